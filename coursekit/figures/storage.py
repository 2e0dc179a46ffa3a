"""Storage: a RAID array that works, drawn with its stripes and parity by disk; how a store fills up; who speaks which protocol.

The array keeps real bytes. Its blocks lie as Linux md lays them by default (left-symmetric): the parity of stripe 0 on the last
disk, then one disk further to the left with each stripe, and the data begin behind the parity. RAID 6 has P, the XOR of the data
blocks, and Q, their sum with the weights 1, 2, 4, ... in the field GF(2^8) with the polynomial 0x11D.
"""

import datetime
import math
import numbers
import re

import numpy as np

from coursekit.errors import CourseError
from coursekit.figures.picture import Picture, figure

POLYNOMIAL = 0x11D
INK, FAINT, LINE, WARN = "#1a1a1a", "#6b7783", "#0b5394", "#a61c00"
LOOKS = {"data": ("#eaf2fa", ""), "P": ("#f2c879", "///"), "Q": ("#8fbf9f", "..."), "missing": ("#ffffff", "")}


def raid5(data, disks, stripes=16):
    """An Array that holds `data`, bytes, on so many disks with one parity block in each stripe."""
    return _filled(data, disks, stripes, 1)


def raid6(data, disks, stripes=16):
    """An Array that holds `data`, bytes, on so many disks with two parity blocks in each stripe, P and Q."""
    return _filled(data, disks, stripes, 2)


def times_two(byte):
    """A byte doubled in GF(2^8): shifted by one bit, and brought back below 256 with the polynomial."""
    doubled = byte << 1
    return doubled ^ POLYNOMIAL if doubled > 255 else doubled


class ReadBytes(bytes):
    """What was read from an array: bytes whose repr is short and says when not all of them are the data."""

    lost = ()

    def __repr__(self):
        told = f"lost: {_stripes(self.lost)}, which read as zeros here" if self.lost else "all blocks read or computed"
        return f"<{len(self):,} bytes; {told}>"


class Array:
    """Disks with data and parity. Whatever is done to it gives a new Array and leaves this one as it was.

    parity  : how many parity blocks a stripe has, 1 or 2
    size    : bytes of data
    missing : set of (disk, stripe), the blocks that cannot be read
    lost    : the stripes of which data are lost for good, in ascending order
    """

    def __init__(self, blocks, parity, size, missing=()):
        self._blocks = blocks                # disk, stripe, byte
        self.parity = parity
        self.size = size
        self.missing = frozenset(missing)

    def __repr__(self):
        level = "RAID 5" if self.parity == 1 else "RAID 6"
        disks, stripes, block = self._blocks.shape
        lost = f", data lost in {_stripes(self.lost)}" if self.lost else ""
        return f"<{level}: {disks} disks, {stripes} stripes, blocks of {block:,} bytes; {len(self.missing)} blocks missing{lost}>"

    def disk(self, number):
        """The bytes of a disk, as a numpy array."""
        self._check(number)
        return self._blocks[number].reshape(-1).copy()

    def pull(self, *disks):
        """The array without these disks."""
        self._check(*disks)
        return self.damage([(disk, stripe) for disk in disks for stripe in range(self._blocks.shape[1])])

    def damage(self, blocks):
        """The array with these blocks, (disk, stripe), unreadable."""
        damaged = self._blocks.copy()
        for disk, stripe in blocks:
            self._check(disk)
            if stripe not in range(damaged.shape[1]):
                raise CourseError(f"There is no stripe {stripe}: the stripes are 0 to {damaged.shape[1] - 1}.")
            damaged[disk, stripe] = 0
        return Array(damaged, self.parity, self.size, self.missing | set(blocks))

    def rebuild(self, *disks):
        """The array with empty disks in these slots, filled from the others. What cannot be computed stays missing, and is told."""
        if not disks:
            raise CourseError("Say which disk is rebuilt, for instance `rebuild(1)`.")
        self._check(*disks)
        blocks, missing = self._blocks.copy(), set(self.missing)
        for stripe in range(blocks.shape[1]):
            whole = self._whole(stripe)
            for disk in disks if whole is not None else ():
                blocks[disk, stripe] = whole[disk]
                missing.discard((disk, stripe))
        for disk in disks:
            left = [stripe for stripe in range(blocks.shape[1]) if (disk, stripe) in missing]
            if left:
                print(f"disk {disk}: {_stripes(left)} cannot be computed, more than {self.parity} of the blocks are missing there")
        return Array(blocks, self.parity, self.size, missing)

    def read(self):
        """The data, bytes. What is lost reads as zeros, and is told."""
        pieces = []
        for stripe in range(self._blocks.shape[1]):
            whole = self._whole(stripe)
            blocks = self._blocks[:, stripe] if whole is None else whole
            pieces += [blocks[disk] for disk in self._data_disks(stripe)]
        found = ReadBytes(np.concatenate(pieces)[: self.size].tobytes())
        found.lost = self.lost
        if self.lost:
            print(f"data lost in {_stripes(self.lost)}: zeros here; a real array answers such a read with an error")
        return found

    def loses(self, stripes):
        """Whether exactly these stripes have lost data; numbers or text."""
        given = stripes if hasattr(stripes, "__iter__") and not isinstance(stripes, str) else [stripes]
        return {int(float(one)) for one in re.findall(r"\d+(?:\.0)?", " ".join(map(str, given)))} == set(self.lost)

    @property
    def lost(self):
        """See the class."""
        return [stripe for stripe in range(self._blocks.shape[1]) if len(self._gone(stripe)) > self.parity]

    def role(self, disk, stripe):
        """What lies there: "P", "Q", or the number of the data block as "D0"."""
        disks = self._data_disks(stripe)
        if disk in disks:
            return f"D{stripe * len(disks) + disks.index(disk)}"
        return "P" if disk == self._p_disk(stripe) else "Q"

    def picture(self, title="", verdict=False):
        """The blocks by disk and stripe. `verdict` writes beside each stripe how many blocks are missing and what that means."""
        return _array_picture(self, title, verdict)

    def _check(self, *disks):
        """Raise CourseError when one of these is no disk of the array."""
        for number in disks:
            if not isinstance(number, numbers.Integral) or number not in range(len(self._blocks)):
                raise CourseError(f"There is no disk {number!r}: the disks are 0 to {len(self._blocks) - 1}, given as numbers, "
                                  "several with commas between them.")

    def _p_disk(self, stripe):
        disks = len(self._blocks)
        return disks - 1 - stripe % disks

    def _data_disks(self, stripe):
        """The disks with the data blocks of a stripe, in their order."""
        disks = len(self._blocks)
        return [(self._p_disk(stripe) + self.parity + place) % disks for place in range(disks - self.parity)]

    def _gone(self, stripe):
        return [disk for disk in range(len(self._blocks)) if (disk, stripe) in self.missing]

    def _whole(self, stripe):
        """The blocks of a stripe, by disk, with the missing ones computed; None when too many are missing."""
        gone = self._gone(stripe)
        if len(gone) > self.parity:
            return None
        blocks = self._blocks[:, stripe].copy()
        blocks[gone] = 0
        order = self._data_disks(stripe)
        p_disk, q_disk = self._p_disk(stripe), (self._p_disk(stripe) + 1) % len(blocks)
        lost = [place for place, disk in enumerate(order) if disk in gone]
        if len(lost) == 2:                                       # two data blocks: two equations, two unknowns
            first, second = lost
            p = blocks[p_disk] ^ _p(blocks[order])
            q = blocks[q_disk] ^ _q(blocks[order])
            quotient = _inverse(_power(second - first) ^ 1)
            share = _product(_power(second - first), quotient)
            blocks[order[first]] = _times(share, p) ^ _times(_product(_inverse(_power(first)), quotient), q)
            blocks[order[second]] = p ^ blocks[order[first]]
        elif lost and p_disk not in gone:
            blocks[order[lost[0]]] = blocks[p_disk] ^ _p(blocks[order])
        elif lost:                                               # P is missing as well: Q alone tells
            blocks[order[lost[0]]] = _times(_inverse(_power(lost[0])), blocks[q_disk] ^ _q(blocks[order]))
        blocks[p_disk] = _p(blocks[order])
        if self.parity == 2:
            blocks[q_disk] = _q(blocks[order])
        return blocks


def _filled(data, disks, stripes, parity):
    if disks < parity + 2:
        raise CourseError(f"RAID {parity + 4} needs at least {parity + 2} disks.")
    across = disks - parity
    block = -(-len(data) // (stripes * across))
    padded = np.frombuffer(bytes(data).ljust(stripes * across * block, b"\0"), dtype=np.uint8).reshape(stripes, across, block)
    array = Array(np.zeros((disks, stripes, block), dtype=np.uint8), parity, len(data))
    for stripe in range(stripes):
        array._blocks[array._data_disks(stripe), stripe] = padded[stripe]
        array._blocks[array._p_disk(stripe), stripe] = _p(padded[stripe])
        if parity == 2:
            array._blocks[(array._p_disk(stripe) + 1) % disks, stripe] = _q(padded[stripe])
    return array


def _stripes(found):
    """"stripe 4", "stripes 0 to 5" or "stripes 1, 4, 7"."""
    if len(found) == 1:
        return f"stripe {found[0]}"
    if list(found) == list(range(found[0], found[-1] + 1)) and len(found) > 2:
        return f"stripes {found[0]} to {found[-1]}"
    return "stripes " + ", ".join(map(str, found))


# ---- GF(2^8)

_POWERS = [1]
while len(_POWERS) < 255:
    _POWERS.append(times_two(_POWERS[-1]))
_EXPONENT = {value: exponent for exponent, value in enumerate(_POWERS)}


def _power(exponent):
    """2 to the power of `exponent`."""
    return _POWERS[exponent % 255]


def _product(a, b):
    return 0 if 0 in (a, b) else _power(_EXPONENT[a] + _EXPONENT[b])


def _inverse(value):
    return _power(-_EXPONENT[value])


def _times(factor, block):
    """Each byte of a block, times `factor`."""
    return np.array([_product(factor, byte) for byte in range(256)], dtype=np.uint8)[block]


def _p(blocks):
    return np.bitwise_xor.reduce(blocks, axis=0)


def _q(blocks):
    return np.bitwise_xor.reduce([_times(_power(place), block) for place, block in enumerate(blocks)], axis=0)


# ---- pictures

def _array_picture(array, title, verdict):
    from matplotlib.patches import Rectangle

    disks, stripes, _ = array._blocks.shape
    wide, high, left, top = 74, 27, 80, 62 if title else 36
    width, height = left + disks * wide + (160 if verdict else 20), top + stripes * high + 44
    picture = figure(width, height)
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    if title:
        axes.text(16, 20, title, size=11, weight="bold", color=INK, va="center")
    told = []
    for disk in range(disks):
        axes.text(left + (disk + 0.5) * wide, top - 12, f"disk {disk}", size=9.5, ha="center", va="center", color=INK, weight="bold")
    for stripe in range(stripes):
        y = top + stripe * high
        axes.text(left - 10, y + high / 2, f"stripe {stripe}", size=9, ha="right", va="center", color=INK)
        row = []
        for disk in range(disks):
            role = array.role(disk, stripe)
            gone = (disk, stripe) in array.missing
            fill, hatch = LOOKS["missing" if gone else role if role in LOOKS else "data"]
            x = left + disk * wide
            axes.add_patch(Rectangle((x + 2, y + 2), wide - 4, high - 4, facecolor=fill, hatch=hatch, edgecolor=FAINT, linewidth=0.8))
            if gone:
                axes.plot((x + 2, x + wide - 2), (y + 2, y + high - 2), color=WARN, lw=1.3)
                axes.plot((x + 2, x + wide - 2), (y + high - 2, y + 2), color=WARN, lw=1.3)
            axes.text(x + wide / 2, y + high / 2, role, size=9, ha="center", va="center", color=FAINT if gone else INK,
                      weight="bold" if role in LOOKS else "normal", bbox={"facecolor": fill, "edgecolor": "none", "pad": 1.2})
            row.append(f"({role})" if gone else role)
        note = ""
        if verdict:
            count = len(array._gone(stripe))
            note = f"{count} missing: " + ("lost" if count > array.parity else "computed") if count else "complete"
            axes.text(left + disks * wide + 12, y + high / 2, note, size=9, va="center", color=WARN if "lost" in note else INK,
                      weight="bold" if "lost" in note else "normal")
        told.append(f"stripe {stripe}: {' '.join(row)}" + (f" [{note}]" if verdict and len(array._gone(stripe)) > 1 else ""))
    _array_legend(axes, array, left, top + stripes * high + 22)
    level = "RAID 5" if array.parity == 1 else "RAID 6"
    says = f"{title or f'{level} of {disks} disks'}. The blocks of disk 0 to {disks - 1}, for each stripe"
    says += ", those that cannot be read in brackets" if array.missing else ""
    return Picture(picture, f"{says}: {'; '.join(told)}.")


def _array_legend(axes, array, x, y):
    from matplotlib.patches import Rectangle

    entries = [("data", "data block"), ("P", "parity P")] + ([("Q", "parity Q")] if array.parity == 2 else [])
    for name, label in entries + ([("missing", "cannot be read")] if array.missing else []):
        fill, hatch = LOOKS[name]
        axes.add_patch(Rectangle((x, y - 8), 26, 16, facecolor=fill, hatch=hatch, edgecolor=FAINT, linewidth=0.8))
        if name == "missing":
            axes.plot((x, x + 26), (y - 8, y + 8), color=WARN, lw=1.3)
            axes.plot((x, x + 26), (y + 8, y - 8), color=WARN, lw=1.3)
        axes.text(x + 33, y, label, size=9, va="center", color=INK)
        x += 46 + 7.2 * len(label)


def growth(used, capacity, per_year=None, title="Use of the store"):
    """How a store fills up, with the line of its capacity, and below it what each month brought.

    used     : dict from date, "2025-04-07", to TB: the first of each month, and today
    capacity : TB
    per_year : TB; when given, the last value goes on from there at this pace, as a dashed line, until the store is full; what takes
               longer than 40 years, or never comes, is said in words

    Raises CourseError when `per_year` is no number.
    """
    if per_year is not None and (isinstance(per_year, bool) or not isinstance(per_year, numbers.Real)):
        raise CourseError(f"per_year is a number of TB a year, such as 1.5, without quotes and unit; you gave {per_year!r}.")
    days = [datetime.date.fromisoformat(day) for day in used]
    amounts = list(used.values())
    firsts = [day for day in used if day.endswith("-01")]
    brought = {month[:7]: used[after] - used[month] for month, after in zip(firsts, firsts[1:])}
    picture = figure(860, 480)
    axes = picture.add_axes((0.075, 0.39, 0.88, 0.55))
    axes.tick_params(labelbottom=False)
    bars = picture.add_axes((0.075, 0.09, 0.88, 0.22), sharex=axes)
    bars.bar([datetime.date.fromisoformat(f"{month}-16") for month in brought], list(brought.values()), width=22, color=LINE)
    bars.set_title("what each month brought, in TB", size=9.5, loc="left", color=INK)
    axes.plot(days, amounts, color=LINE, lw=2.2, marker="o", markersize=3)
    axes.axhline(capacity, color=WARN, lw=1.8, ls="-")
    axes.text(days[0] + datetime.timedelta(20), capacity + 4, f"capacity {capacity:g} TB", color=WARN, size=9.5, va="bottom", weight="bold")
    axes.annotate(f"{days[-1]}: {amounts[-1]:.1f} TB", (days[-1], amounts[-1]), (-12, 10), textcoords="offset points", size=9.5, color=INK,
                  ha="right")
    last = days[-1] + datetime.timedelta(120)
    says = f"{title}: {amounts[0]:.1f} TB on {days[0]}, " + ", ".join(
        f"{used[day]:.1f} on {day}" for day in used if day.endswith(("-04-01", "-10-01")) and day != str(days[0]))
    says += f", {amounts[-1]:.1f} TB on {days[-1]}"
    if brought:
        most, usual = max(brought, key=brought.get), sorted(brought.values())[len(brought) // 2]
        bars.annotate(f"{brought[most]:.1f}", (datetime.date.fromisoformat(f"{most}-16"), brought[most]), (0, 2),
                      textcoords="offset points", size=9, color=INK, ha="center")
        bars.set_ylim(0, 1.25 * brought[most])
        says += f". A month brought {usual:.1f} TB as a rule; most came in {most}, {brought[most]:.1f} TB"
    says += f". The line of the capacity is at {capacity:g} TB"
    if amounts[-1] >= capacity:
        says += ", which is reached already"
        axes.text(0.99, 0.06, "it is full already", transform=axes.transAxes, ha="right", size=9.5, color=WARN)
    elif per_year is not None:
        until = (capacity - amounts[-1]) / per_year * 365.25 if per_year > 0 else math.inf
        if until < 40 * 365:
            full = days[-1] + datetime.timedelta(until)
            last = max(last, datetime.date(full.year + 1, 1, 1))
            axes.plot((days[-1], full), (amounts[-1], capacity), color=LINE, lw=1.8, ls="--")
            axes.plot((full,), (capacity,), color=WARN, marker="X", markersize=10)
            axes.annotate(f"at {per_year:g} TB a year full in {full:%Y-%m}", (full, capacity), (4, 9), textcoords="offset points", size=10,
                          color=WARN, weight="bold", ha="right")
            says += f"; at {per_year:g} TB a year the dashed line reaches it in {full:%Y-%m}"
        else:
            never = "that takes forty years or more" if per_year > 0 else "that never comes"
            axes.text(0.99, 0.06, f"no dashed line: at {per_year:g} TB a year {never}", transform=axes.transAxes, ha="right", size=9.5,
                      color=WARN)
            says += f"; at {per_year:g} TB a year {never}, so no dashed line leads there"
    axes.set_xlim(days[0], last)
    axes.set_ylim(0, capacity * 1.15)
    axes.set_ylabel("TB", color=INK)
    axes.set_title(title, size=11, loc="left", color=INK)
    for part in (axes, bars):
        part.grid(alpha=0.3)
        part.set_axisbelow(True)
        for side in ("top", "right"):
            part.spines[side].set_visible(False)
    return Picture(picture, says + ".")


def traffic(trace, title="Requests to the disks"):
    """Reads and writes a second, minute by minute. `trace` is a DataFrame with the columns minute, reads and writes."""
    picture = figure(860, 300)
    axes = picture.add_axes((0.085, 0.17, 0.89, 0.7))
    places = range(len(trace))
    axes.plot(places, trace["reads"], color=LINE, lw=1.8, label="reads a second")
    axes.plot(places, trace["writes"], color=WARN, lw=1.8, ls="--", label="writes a second")
    axes.set_xticks(places[::5], trace["minute"][::5], size=9)
    axes.set_ylim(0, 1.25 * max(trace["reads"].max(), trace["writes"].max()))
    axes.set_ylabel("a second", color=INK)
    axes.set_title(title, size=11, loc="left", color=INK)
    axes.legend(frameon=False, fontsize=9, ncols=2, loc="upper right")
    axes.grid(alpha=0.3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    peaks = []
    for column in ("reads", "writes"):
        at = trace[column].idxmax()
        axes.annotate(trace["minute"][at], (at, trace[column][at]), (0, 4), textcoords="offset points", size=9, color=INK, ha="center")
        peaks.append(f"most {column} at {trace['minute'][at]} ({trace['reads'][at]} reads, {trace['writes'][at]} writes)")
    usual = f"usually {trace['reads'].median():.0f} reads and {trace['writes'].median():.0f} writes a second"
    return Picture(picture, f"{title}, {trace['minute'].iloc[0]} to {trace['minute'].iloc[-1]}: {usual}; {'; '.join(peaks)}.")


_WAYS = (  # name, what is asked for, the protocols, where the file system is, what the client sees
    ("DAS", "disk in the server", "blocks", "SATA, SAS, NVMe", "in the server", "a disk"),
    ("SAN", "disk array", "blocks", "Fibre Channel, iSCSI", "in the server", "a disk (LUN)"),
    ("NAS", "file server", "files", "NFS, SMB", "in the NAS", "a share or an export"),
    ("object store", "object store", "objects", "S3 over HTTPS", "none: key and object", "a bucket"),
)


def four_ways():
    """A picture of DAS, SAN, NAS and object store: what the server asks for, over which protocol, and where the file system is."""
    from matplotlib.patches import Rectangle

    wide, gap, height = 200, 14, 330
    width = 14 + len(_WAYS) * (wide + gap)
    picture = figure(width, height)
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    for number, (name, store, unit, protocols, file_system, seen) in enumerate(_WAYS):
        left = 14 + number * (wide + gap)
        middle = left + wide / 2
        axes.text(middle, 20, name, size=12, weight="bold", ha="center", va="center", color=INK)
        axes.add_patch(Rectangle((left, 40), wide, 78, facecolor=LOOKS["data"][0], edgecolor=INK))
        axes.text(middle, 57, "server", size=10, weight="bold", ha="center", va="center", color=INK)
        axes.text(middle, 78, f"sees {seen}", size=9.5, ha="center", va="center", color=INK)
        if file_system == "in the server":
            axes.text(middle, 101, "file system", size=9.5, ha="center", va="center", color=INK,
                      bbox={"facecolor": "#f2c879", "edgecolor": INK, "boxstyle": "round,pad=0.25"})
        axes.annotate("", (middle, 224), (middle, 119), arrowprops={"arrowstyle": "<->", "color": LINE, "lw": 1.8})
        axes.text(middle, 158, f"reads and writes {unit}", size=9.5, ha="center", va="center", color=INK, backgroundcolor="white")
        axes.text(middle, 184, protocols, size=10, ha="center", va="center", color=LINE, weight="bold", backgroundcolor="white")
        axes.add_patch(Rectangle((left, 226), wide, 78, facecolor="#eef0f2", edgecolor=INK))
        axes.text(middle, 245, store, size=10, weight="bold", ha="center", va="center", color=INK)
        if file_system == "in the NAS":
            axes.text(middle, 275, "file system", size=9.5, ha="center", va="center", color=INK,
                      bbox={"facecolor": "#f2c879", "edgecolor": INK, "boxstyle": "round,pad=0.25"})
        else:
            below = "numbered blocks" if unit == "blocks" else "key → object + metadata"
            axes.text(middle, 275, below, size=9.5, ha="center", va="center", color=INK)
    told = "; ".join(
        f"{name}: the server sees {seen}, reads and writes {unit} by {protocols}; "
        + (f"the file system is {file_system}" if "in the" in file_system else "there is no file system, but keys and objects")
        for name, _, unit, protocols, file_system, seen in _WAYS)
    return Picture(picture, f"Four ways to storage. {told}.")
