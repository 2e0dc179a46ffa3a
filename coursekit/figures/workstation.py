"""Pictures of a workstation in its network: the bits of a mask, the rungs of a connection, the two directions of C-MOVE."""

import ipaddress

from coursekit.figures.picture import Picture, canvas

_INK, _FAINT, _LINE, _WARM = "#1c2733", "#5c6873", "#0b5394", "#b45309"
_NETWORK, _HOST = "#cfe5f7", "#fbe3b5"


def mask_bits(address, prefixes):
    """An address as 32 bits, and below it what each mask takes for the network (1) and leaves to the host (0).

    prefixes : pairs (label, length of the prefix)
    """
    wide, tall = 900, 70 + 66 * len(prefixes)
    picture, axes = canvas(wide, tall)
    cell, left = 20, 190
    value = int(ipaddress.IPv4Address(address))
    axes.text(12, 40, address, size=11, weight="bold", color=_INK, va="center", family="monospace")
    for byte, number in enumerate(address.split(".")):
        middle = _bit_x(left, cell, byte * 8) + 4 * cell
        axes.text(middle, 14, number, size=10, color=_FAINT, ha="center", va="center")
    for bit in range(32):
        _cell(axes, _bit_x(left, cell, bit), 28, cell, value >> (31 - bit) & 1, "white")
    said = []
    for row, (label, length) in enumerate(prefixes):
        y = 76 + 66 * row
        network = ipaddress.ip_network(f"{address}/{length}", strict=False)
        axes.text(12, y + 6, f"{network.netmask}", size=10, color=_INK, va="center", family="monospace")
        axes.text(12, y + 24, f"/{length}  {label}", size=9, color=_FAINT, va="center")
        for bit in range(32):
            _cell(axes, _bit_x(left, cell, bit), y, cell, int(bit < length), _NETWORK if bit < length else _HOST)
        range_of = f"{network[0]} to {network[-1]}, {network.num_addresses:,} addresses"
        axes.text(left, y + 38, f"neighbours: {range_of}", size=9.5, color=_INK, va="center")
        said.append(f"{label}, {network.netmask} or /{length}: {length} ones, then {32 - length} zeros; neighbours are {range_of}")
    bits = " ".join(f"{int(part):08b}" for part in address.split("."))
    return Picture(picture, f"{address} as 32 bits, {bits}. Below it the masks, ones for the network and zeros for the host. "
    f"{'. '.join(said)}.")


def _bit_x(left, cell, bit):
    return left + bit * cell + bit // 8 * 12


def _cell(axes, x, y, size, bit, fill):
    axes.add_patch(_box(x, y, size, size, fill, 0.7))
    axes.text(x + size / 2, y + size / 2 + 0.5, str(bit), size=9, ha="center", va="center", color=_INK, family="monospace")


def rungs(rows, title):
    """The rungs of a connection, the lowest at the bottom.

    rows : (name, what must be right, how to see it), from the lowest up
    """
    wide, high = 900, 62
    tall = 60 + high * len(rows) + 12
    picture, axes = canvas(wide, tall)
    axes.text(12, 18, title, size=11, weight="bold", color=_INK, va="center")
    for heading, x in (("rung", 40), ("what must be right", 240), ("how you see it", 560)):
        axes.text(x, 44, heading, size=9.5, color=_FAINT, va="center")
    axes.plot((24, 24), (58, tall - 8), color=_INK, lw=3)
    axes.plot((222, 222), (58, tall - 8), color=_INK, lw=3)
    for number, (name, right, see) in enumerate(rows, 1):
        y = tall - 12 - high * number
        axes.add_patch(_box(24, y + 16, 198, 30, _NETWORK, 1.2))
        axes.text(34, y + 31, f"{number}  {name}", size=10.5, weight="bold", color=_INK, va="center")
        for x, text in ((240, right), (560, see)):
            lines = text.split("\n")
            for place, line in enumerate(lines):
                axes.text(x, y + 31 + (place - (len(lines) - 1) / 2) * 17, line, size=9.5, color=_INK, va="center")
    said = "; ".join(f"{number} {name}: {_flat(right)}; seen by {_flat(see)}" for number, (name, right, see) in enumerate(rows, 1))
    return Picture(picture, f"{title}. A ladder of {len(rows)} rungs, from the bottom: {said}.")


def _flat(text):
    return " ".join(text.split())


def both_ways(station, archive, title):
    """C-ECHO and C-MOVE between a station and an archive: who calls whom, at which port, and what the archive looks up.

    station, archive : (AE title, address, port)
    """
    wide, tall = 900, 484
    picture, axes = canvas(wide, tall)
    left, right = 175, 725
    axes.text(12, 18, title, size=11, weight="bold", color=_INK, va="center")
    for x, (name, ip, port) in ((left, station), (right, archive)):
        axes.add_patch(_box(x - 130, 38, 260, 44, _NETWORK, 1))
        axes.text(x, 53, name, size=11, weight="bold", color=_INK, ha="center", va="center")
        axes.text(x, 70, f"{ip}, listens on {port}", size=9.5, color=_INK, ha="center", va="center")
        axes.plot((x, x), (82, tall - 12), color=_FAINT, lw=1.2)
    steps = (
        (116, True, f"association to port {archive[2]}: {station[0]} calls {archive[0]}", "-"),
        (148, True, "C-ECHO", "-"), (178, False, "0000H, success", "--"),
        (212, True, f"C-MOVE, move destination {station[0]}", "-"),
        (330, False, f"a second association, to port {station[2]}: {archive[0]} calls {station[0]}", "-"),
        (364, False, "C-STORE, once for each image", "-"), (394, True, "0000H, success", "--"),
        (430, False, "C-MOVE: pending, now and then while images still go", "--"),
        (462, False, "C-MOVE: success, once the last has gone", "--"),
    )
    for y, to_right, label, style in steps:
        ends = (left + 3, right - 3) if to_right else (right - 3, left + 3)
        color = _LINE if to_right else _WARM
        axes.annotate("", (ends[1], y), (ends[0], y), arrowprops={"arrowstyle": "-|>", "color": color, "lw": 1.7, "ls": style})
        axes.text((left + right) / 2, y - 4, label, size=9.5, color=_INK, ha="center", va="bottom")
    axes.add_patch(_box(470, 226, 410, 72, _HOST, 1)).set_zorder(3)
    axes.text(480, 243, f"The archive looks into its AE table: who is {station[0]}?", size=9.5, color=_INK, va="center", zorder=4)
    found = f"found: {station[1]}, port {station[2]}: goes on below"
    axes.text(480, 262, found, size=9.5, color=_INK, va="center", weight="bold", zorder=4)
    axes.text(480, 281, "not found: answers A801H, and nothing below happens", size=9.5, color=_INK, va="center", zorder=4)
    told = [f"{station[0] if to_right else archive[0]} sends {label}" for _, to_right, label, _ in steps]
    told.insert(4, f"the archive looks into its AE table who {station[0]} is; if it is not there, the answer is A801H and nothing more "
    f"happens; here it finds {station[1]} and port {station[2]} and goes on")
    return Picture(picture, f"{title}. {station[0]} at the left, {archive[0]} at the right: {'; '.join(told)}.")


def _box(x, y, width, height, fill, line):
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), width, height, facecolor=fill, edgecolor=_INK, linewidth=line)
