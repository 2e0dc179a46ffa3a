"""Storage hardware, RAID, SAN and NAS: the exercises of lesson cpas-15."""

import datetime
import re

from coursekit.checking import Choice, Function, Kind, Lesson, Number, Set, Table, Text
from coursekit.checking.kinds.base import Difference
from coursekit.checking.kinds.table import _cells
from coursekit.checking.reading import Unclear, Unreadable, describe, plain, single, span
from coursekit.checking.verdict import Outcome, Verdict
from coursekit.hospital.draws import Draws

lesson = Lesson(
    "cpas-15",
    title="Storage hardware: RAID, SAN, NAS",
    version=1,
    minutes=90,
    objectives=[
        "read a controller's log and take the right disk out of a shelf",
        "tell how much an array holds, what it survives, how long a rebuild takes and what can go wrong in it",
        "say which store a system needs, block, file or object, when it will be full, and what to buy then",
    ],
    covers=["storage devices: RAID, SAN, NAS"],
    needs=["start"],
)

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
YEARS_AHEAD, MOST_FULL = 5, 0.85            # of the last exercise


def label(value):
    """The six digits of each serial number in what was written (the letters before them are always the same), else a slot or "NONE"."""
    if re.search(r"\b(not|never)\b|n't\b", str(value).casefold()):
        raise ValueError("give the serial number of the disk that comes out, and no more")
    serials = re.findall(r"(?<!\d)\d{6}(?!\d)", str(value))
    if serials:
        return " ".join(serials)
    text = re.sub(r"^(slot|disk|serial|s/n)[ :#]*", "", str(value).strip(" '\""), flags=re.IGNORECASE).upper()
    if not text:
        raise ValueError("it is empty")
    return "NONE" if text in ("NONE", "NO", "NOTHING", "NO DISK", "N/A", "-") else text


def stripe(value):
    """A stripe's number, from 7, "7" or "stripe 7"."""
    digits = re.fullmatch(r"\s*(?:stripe)?\s*(\d+)(?:\.0)?\s*", str(value), re.IGNORECASE)
    if not digits:
        raise ValueError("a stripe is a number such as 4")
    return f"stripe {int(digits[1])}"


def month(value):
    """A month as "2025-04", from what a person may write for it: one month, with its year and perhaps a day that there is."""
    if type(value) in (list, tuple):
        if len(value) not in (2, 3) or not all(type(part) is int for part in value):
            raise ValueError('one month is asked, with its year, such as "2025-04"')
        value = "-".join(map(str, value))
    text = " ".join(re.sub(r"[,()]", " ", str(value)).split()).casefold()
    if re.search(r"\bq[1-4]\b", text):
        raise ValueError("a quarter is three months, and one month is asked")
    text = re.sub(r"[ t]\d\d?:\d\d(:\d\d(\.\d+)?)?( ?utc|z|[+-]\d\d:?\d\d)?$", "", text)
    text = re.sub(r"^((in|on|about|around|the|by|end|middle|mid|beginning|start|early|late|of|\w{2,6}day) )+", "", text)
    day = None
    if found := re.fullmatch(r"(\d{4})[-/.](\d\d?)(?:[-/.](\d\d?))?", text) or re.fullmatch(r"(\d{4})(\d\d)(\d\d)?", text):
        year, number, day = found.groups()
    elif found := re.fullmatch(r"(?:(\d\d?)[-/.])?(\d\d?)[-/.](\d{4})", text):
        day, number, year = found.groups()
    else:
        if len(re.findall(r"\d{4}", text)) > 1 or len(re.findall("|".join(rf"\b{name}" for name in MONTHS), text)) > 1:
            raise ValueError("one month is asked, and these are several")
        words = re.findall(r"[a-z]+", re.sub(r"(?<=\d)(st|nd|rd|th)\b( of)?", "", text))
        numbers = re.findall(r"\d+", text)
        if len(words) != 1 or len(words[0]) < 3 or words[0][:3] not in MONTHS or len([one for one in numbers if len(one) == 4]) != 1 \
                or len(numbers) > 2:
            raise ValueError('a month is written with its year, such as "2025-04"')
        year, number = next(one for one in numbers if len(one) == 4), MONTHS.index(words[0][:3]) + 1
        day = next((one for one in numbers if one != year), None)
    if not 1 <= int(number) <= 12:
        raise ValueError('a month is written year first, such as "2025-04"')
    try:
        datetime.date(int(year), int(number), int(day or 1))
    except ValueError:
        raise ValueError("there is no such day") from None
    return f"{year}-{int(number):02d}"


def raid_level(value):
    """"RAID 10" from what a person may write for it."""
    digits = re.fullmatch(r"(?:raid)?[ -]*(\d)[+ ]?(0?)", str(value).strip().casefold())
    if not digits:
        raise ValueError("that is no RAID level")
    return f"RAID {digits[1]}{digits[2]}"


def yes_or_no(value):
    """"yes" or "no"."""
    text = str(value).strip().casefold()
    if text in ("yes", "y", "true", "1", "enough"):
        return "yes"
    if text in ("no", "n", "false", "0", "not enough"):
        return "no"
    raise ValueError("yes or no is asked")


def operations(value):
    """A number of operations, from 2233, "2,233", "2 233" or "2233 IOPS"."""
    if type(value) is not str:
        return value
    text = re.sub(r"(iops|operations|ops|/s|a second|per second)", "", value.casefold()).strip()
    if re.fullmatch(r"\d{1,3}([,. ']\d{3})+", text):
        return int(re.sub(r"\D", "", text))
    return float(text.replace(",", ""))


def storage(value):
    """"block", "file" or "object"."""
    text = str(value).strip().casefold()
    for name, words in {"block": ("block", "san", "das", "lun"), "file": ("file", "nas"), "object": ("object", "bucket")}.items():
        if re.fullmatch(rf"({'|'.join(words)})s?( (storage|store|level))?", text):
            return name
    raise ValueError("block, file or object is asked")


def protocol(value):
    """The protocol in one spelling."""
    text = re.sub(r"[^a-z0-9]", "", re.sub(r"(\btcp )?\bport \d+|\(.*?\)|[:/]\d+$", "", str(value).casefold()))
    names = {
        "FC": ("fc", "fcp", "fibrechannel", "fiberchannel", "fcsan"), "iSCSI": ("iscsi",), "NFS": ("nfs", "nfsv3", "nfsv4", "nfs3", "nfs4"),
        "SMB": ("smb", "cifs", "smbcifs", "smb3", "smb2"), "S3": ("s3", "https", "s3https", "s3overhttps", "httpss3", "s3api"),
        "local": ("local", "nvme", "localnvme", "das", "pcie", "none", "sata", "sas", "directattached", "directattachedstorage"),
    }
    for name, words in names.items():
        if text in words:
            return name
    raise ValueError("FC, iSCSI, NFS, SMB, S3 or local is asked")


class ByRow(Table):
    """A table in which a mistake is diagnosed by the rows that it touches, whatever stands in the other rows.

    by    : a column; a wrong way that changes it is told by this column alone
    clash : a function of a row's cells, which says in a sentence why they can't be together, or None; told where no wrong way fits
    """

    def __init__(self, variables, by=None, clash=None, **details):
        super().__init__(variables, **details)
        self.by, self.clash = by, clash

    def judge(self, exercise, given, editions):
        """As for a table; then the first wrong way all of whose own rows are in the answer; then one with one of its rows."""
        verdict = super().judge(exercise, given, editions)
        if verdict.correct or verdict.label != "value":
            return verdict
        right = self._computed(exercise, exercise.solution, editions)
        mine, ours = self._by_name(self.read(*given), right), self._by_name(right, right)
        written = dict(zip(ours, (row[right.columns.index(self.key[0])] for row in right.rows)))
        by = right.columns.index(self.by) if self.by else None
        partly = None
        for way, feedback in exercise.wrong_ways.items():
            wrong = self._by_name(self._computed(exercise, way, editions), right)
            own = [name for name, row in wrong.items() if not self._same_row(row, ours[name])]
            hit = [name for name in own if self._as_in(mine[name], wrong[name], ours[name], by)]
            if own and hit == own:
                return Verdict(Outcome.NOT_YET, feedback, way.__name__)
            if hit and partly is None:
                partly = Verdict(Outcome.NOT_YET, f"In the row of `{written[hit[0]]}`: {feedback}", way.__name__)
        if partly is None and self.clash:
            for name, row in mine.items():
                if not self._same_row(row, ours[name]) and (sentence := self.clash(*row)):
                    return Verdict(Outcome.NOT_YET, f"In the row of `{written[name]}`: {sentence}", "clash")
        return partly or verdict

    def _as_in(self, mine, wrong, right, by):
        """Whether a row is as in a wrong way: in the column `by` when the wrong way changes that, else in all."""
        if by is not None and not self._same(wrong[by], right[by]):
            return self._same(mine[by], wrong[by])
        return self._same_row(mine, wrong)

    def _by_name(self, table, right):
        """{key of a row: its cells as they are compared}."""
        readings = [self.reading.get(column) for column in right.columns]
        cells = [_cells(row, readings) for row in self._arranged(table, right)]
        return {row[right.columns.index(self.key[0])]: row for row in cells}


class DiskLabel(Text):
    """The serial number of one disk. A wrong way may give several: it stands for each of them."""

    def difference(self, answer, other):
        """None when what was written is among the other's."""
        if set(answer.split()) <= set(other.split()):
            return None
        if re.search(r"\d{6} \d{6}", answer):
            return Difference("These are several disks. Today one comes out.", "several")
        return Difference("No disk of the shelf has that on its label. Copy the serial number from the table.", "value")


class Month(Text):
    """A month; one that lies near is told to be near."""

    def difference(self, answer, other):
        """As for a text."""
        difference = super().difference(answer, other)
        if difference and abs(_month_number(answer) - _month_number(other)) <= 2:
            return Difference("Near, but not the month. Keep the fraction of the years or months that are left, and count from 7 April, "
                              "not from the beginning of a month or year: the cell above adds days to a date.", "near")
        return difference


def _month_number(text):
    year, number = text.split("-")
    return 12 * int(year) + int(number)


class Stripes(Set):
    """Numbers of stripes, also as "10 11 and 13" or "stripes 10, 11, 13"."""

    def read(self, given):
        """As for a set; text that holds numbers and no more is read number by number."""
        value = plain(given)
        if type(value) is str and re.fullmatch(r"(stripes?|and|\d+|[\s,;:&\[\](){}])+", value, re.IGNORECASE):
            given = re.findall(r"\d+", value) or given
        return super().read(given)


class Hours(Number):
    """A number of hours, also as "1 day, 10:20", "10h20" or "10 hours and 20 minutes"."""

    def read(self, given):
        """As for a number, which takes the difference of two times and "10:20" too."""
        value = single(plain(given)) if span(given) is None else None
        if type(value) is str:
            parts = re.fullmatch(r"(?:(\d+) days?,? ?)?(\d{1,3})(?::| ?h(?:ours?)? ?(?:and )?)(\d\d?)(?::00| ?m(?:in(?:utes?)?)?)?( ?h)?",
                                 value.strip().casefold())
            if parts and int(parts[3]) < 60:
                return (24 * int(parts[1] or 0) + int(parts[2]) + int(parts[3]) / 60,)
        return super().read(given)


class Percent(Number):
    """A percentage, to the nearest one; decimals are not needed, and right where they are given."""

    def read(self, given):
        """As for a number; several in one text are none."""
        value = single(plain(given))
        if type(value) is str and re.search(r"\d\D*\b(or|and|to)\b\D*\d", value.casefold()):
            raise Unreadable("In your text are several numbers. One is asked: the one that answers the question.")
        return super().read(given)

    def difference(self, answer, other):
        """None when they agree."""
        found = super().difference(answer, other)
        if found is None and all(number % 1 and abs(number - other[0]) > 0.06 for number in answer):
            return Difference("Close, but not it: your decimals are not right. Whole percent will do; else round only at the end.", "close")
        return found


class DiskBytes(Kind):
    """The bytes of a disk: a numpy array, bytes or a list of numbers from 0 to 255."""

    takes = "the bytes of a disk"

    def read(self, given):
        """The bytes."""
        value = plain(given)
        if type(value) is bytes:
            return value
        if type(value) is int:
            raise Unclear("a single number. If `return` stands inside the loop, it ends the function on the first turn: move it to the "
                          "left, under the `f` of `for`")
        if type(value) is not list:
            raise Unclear(describe(given))
        if not all(type(byte) is int for byte in value):
            raise Unclear("a list of something other than whole numbers")
        if not all(0 <= byte <= 255 for byte in value):
            raise Unclear("numbers that are no bytes: some lie outside 0 to 255")
        return bytes(value)

    def difference(self, answer, other):
        """None when all bytes agree."""
        if answer == other:
            return None
        if len(answer) != len(other):
            return Difference("That is not as long as a disk: combine the disks byte by byte, not one behind the other.", "length")
        return Difference("These bytes are not those of the lost disk.", "value")


# ---- inputs

@lesson.input
def shelf(hospital):
    """What the controller says of the shelf as a whole, a dictionary."""
    import json

    told = json.loads(hospital.logs.inventory())
    del told["disks"]
    return told


@lesson.input
def disks(hospital):
    """The disks of the shelf, a table."""
    import pandas

    columns = ["slot", "serial", "role", "state", "reallocated", "media_errors"]
    return pandas.DataFrame([one._asdict() for one in hospital.logs.disks])[columns]


@lesson.input
def controller_log(hospital):
    """The controller's events, a text. Its clock runs in UTC."""
    return "\n".join(f"{utc}Z  {severity:8}  {text}" for utc, severity, text in hospital.logs.controller_log)


@lesson.input
def ct(hospital):
    """A CT slice of the head."""
    return hospital.image("ct_head")


@lesson.input
def pulled_disk(hospital):
    """The disk that is missing in the small array."""
    return Draws(hospital.seed, "cpas-15 pulled").one(0, 6)


@lesson.input
def bad_blocks(hospital):
    """The controller's list of unreadable blocks of the small array, a list of (disk, stripe).

    It holds what was noted before the disk was pulled too. Three stripes lose data: two have two bad blocks beside the pulled
    disk, one of them a parity block, and one more has its pulled disk in the list as well. The others stay within what RAID 6 bears.
    """
    draws = Draws(hospital.seed, "cpas-15 bad blocks")
    pulled = pulled_disk(hospital)
    order = sorted(range(16), key=lambda number: (draws.one(0, 9999), number))
    found = []
    for stripe_number, kind in zip(order, ("two", "with parity", "one", "pulled and one", "one", "pulled and two")):
        p_disk = 6 - stripe_number % 7
        parity = [p_disk, (p_disk + 1) % 7]
        data = sorted((disk for disk in range(7) if disk not in parity and disk != pulled), key=lambda disk: (draws.one(0, 9999), disk))
        on_parity = next(disk for disk in parity if disk != pulled)
        chosen = {"two": data[:2], "with parity": [data[0], on_parity], "one": data[:1], "pulled and one": [pulled, data[0]],
                  "pulled and two": [pulled, *data[:2]]}[kind]
        found += [(disk, stripe_number) for disk in chosen]
    return sorted(found, key=lambda block: (block[1], block[0]))


@lesson.input
def eastcliff(hospital):
    """The disks of Eastcliff Clinic's small NAS, a dictionary."""
    draws = Draws(hospital.seed, "cpas-15 eastcliff")
    count, size = ((4, 3), (5, 3), (5, 3), (6, 3), (6, 4))[draws.one(0, 4)]
    return {"level": "RAID 5", "disks": count, "disk_tb": size, "unreadable_per_bit": 1e-14}


@lesson.input
def io_trace(hospital):
    """An hour of the database's disk traffic: reads and writes a second, averaged over each minute. A table."""
    import pandas

    draws = Draws(hospital.seed, "cpas-15 io")
    minutes = [{"minute": f"07:{minute:02d}", "reads": draws.one(300, 420), "writes": draws.one(80, 140)} for minute in range(60)]
    reading, writing = draws.one(5, 25), draws.one(30, 55)
    minutes[reading] |= {"reads": draws.one(880, 920), "writes": draws.one(90, 110)}       # most requests
    minutes[writing] |= {"reads": draws.one(340, 380), "writes": draws.one(430, 470)}      # most work for the disks
    return pandas.DataFrame(minutes)


@lesson.input
def database_disks(hospital):
    """How many disks the database may have; each carries 150 operations a second."""
    return (12, 16)[Draws(hospital.seed, "cpas-15 database").one(0, 1)]


@lesson.input
def workloads(hospital):
    """What wants storage, and what it needs: a table of workload, needs."""
    import pandas

    draws = Draws(hospital.seed, "cpas-15 workloads")
    links = ["The server has two Fibre Channel adapters.", "The server has Ethernet only, with a VLAN of its own for storage."]
    first = draws.one(0, 1)
    rows = [
        ("PACS database", "Small random reads and writes within a millisecond. The vendor supports only a disk of its own in the storage "
         f"network, formatted by the database server. {links[first]}"),
        ("virtual machines", "The hypervisors format a shared disk in the storage network with their own cluster file system. "
         + links[1 - first].replace("The server has", "They have")),
        ("image cache", "Two Linux servers work in the same directory tree at the same time, with UNIX owners and rights and with file "
         "locks."),
        ("CD import", "Four Windows PCs drop files into one folder. Who may do so is a group in Active Directory."),
        ("VNA long-term copy", "Each image is written once, with an HTTPS request and a key. For ten years nobody may overwrite or delete "
         "it, not even an administrator; a correction is a new object beside it. The first byte within a second is fast enough."),
        ("off-site backup", "The backup program speaks HTTPS with a provider's bucket. What it wrote is locked for 90 days."),
        ("router spool", "One server alone, two NVMe disks in its case, one the mirror of the other. What comes from a modality waits here "
         "for seconds, until the VNA has it."),
    ]
    order = sorted(range(len(rows)), key=lambda number: (draws.one(0, 9999), number))
    return pandas.DataFrame([rows[number] for number in order], columns=["workload", "needs"])


@lesson.input
def tiers(hospital):
    """The file systems of the archive, a table."""
    found = hospital.pacs.sql("SELECT mount, tier, capacity_bytes FROM filesystem ORDER BY pk")
    found["capacity_tb"] = found.pop("capacity_bytes") / 1e12
    return found


@lesson.input
def intake(hospital):
    """What arrived from April 2024 to March 2025, by modality, the largest first: a table. A part of the hospital's exams."""
    import pandas

    columns = ["month", "modality", "studies", "objects", "bytes"]
    year = [row for row in hospital.logs.volumes if "2024-04" <= row[0] <= "2025-03"]
    found = pandas.DataFrame(year, columns=columns).groupby("modality")[["studies", "bytes"]].sum().reset_index()
    found["gb"] = (found["bytes"] / 1e9).round(1)
    found["mb_per_study"] = (found["bytes"] / 1e6 / found["studies"]).round(1)
    found["share_percent"] = (100 * found["bytes"] / found["bytes"].sum()).round(1)
    return found.drop(columns="bytes").sort_values(["gb", "modality"], ascending=[False, True]).reset_index(drop=True)


@lesson.input
def near1(hospital):
    """How full /archive/near1 was on the first of each month, and is now: a dictionary from date to TB."""
    return {date: round(used / 1e12, 2) for date, mount, _, used in hospital.logs.filesystems if mount == "/archive/near1"}


@lesson.input
def drill(hospital):
    """The security officer's table-top exercise: when what happened, in local time, and what each job wrote; a dictionary."""
    draws = Draws(hospital.seed, "cpas-15 drill")
    attack = 19 * 60 + draws.one(1, 28) * 5
    ends = [3 * 60 + draws.one(2, 20) * 5 for _ in range(3)]
    written = [draws.one(118, 142), draws.one(38, 56), draws.one(38, 56)]          # GB: a working day, a day of the weekend
    encrypted = 24 * (22 * 60 - attack)                                            # GB until the third job starts, at 400 MB/s
    ends[2] += 5 * round(encrypted / 36 / 5)                                       # and two drives of 300 MB/s write them
    written[2] += encrypted

    def clock(minutes):
        return f"{minutes // 60:02d}:{minutes % 60:02d}"

    return {
        "encryption begins": f"2025-04-06 {clock(attack)}",
        "snapshots deleted by the attacker": f"2025-04-06 {clock(attack + 20)}",
        "noticed": "2025-04-07 06:50",
        "tape of Friday, job starts": "2025-04-04 22:00",
        "tape of Friday, job ends": f"2025-04-05 {clock(ends[0])}",
        "tape of Friday, written": f"{written[0]:,} GB",
        "tape of Saturday, job starts": "2025-04-05 22:00",
        "tape of Saturday, job ends": f"2025-04-06 {clock(ends[1])}",
        "tape of Saturday, written": f"{written[1]:,} GB",
        "tape of Sunday, job starts": "2025-04-06 22:00",
        "tape of Sunday, job ends": f"2025-04-07 {clock(ends[2])}",
        "tape of Sunday, written": f"{written[2]:,} GB",
    }


@lesson.input
def offers(hospital):
    """Six offers for the successor of /archive/near1, a table."""
    import pandas

    kinds = _offers(hospital)
    return pandas.DataFrame([{"offer": letter, **offer} for letter, (_, offer) in sorted(kinds.items())])


def _offers(hospital):
    """{letter: (what is the matter with it, the offer)}."""
    draws = Draws(hospital.seed, "cpas-15 offers")
    used = near1(hospital)
    need = (used["2025-04-07"] + YEARS_AHEAD * (used["2025-04-01"] - used["2024-04-01"])) / MOST_FULL
    size = (16, 18, 20)[draws.one(0, 2)]
    data = 4 * int(-(-need // (4 * size)))                         # data disks in four groups
    large = 4 * int(-(-need // (4 * 24)))
    other = {16: 18, 18: 20, 20: 18}[size]
    ample = 4 * int(-(-need // (4 * other))) + 4

    def offer(level, disks, spares, groups, disk_tb, factor=100):
        return {"level": level, "disks": disks, "hot_spares": spares, "groups": groups, "disk_tb": disk_tb,
                "price_keur": (disks * disk_tb * 15 + 2000) * factor // 10_000}

    made = [
        ("right", offer("RAID 60", data + 10, 2, 4, size)),
        ("too small", offer("RAID 60", data + 8, 4, 4, size)),
        ("single parity", offer("RAID 50", data + 6, 2, 4, size)),
        ("mirror", offer("RAID 10", 2 * data + 2, 2, data, size, 90)),
        ("slow rebuild", offer("RAID 60", large + 10, 2, 4, 24, 88)),
        ("dear", offer("RAID 60", ample + 10, 2, 4, other, 140)),
    ]
    order = sorted(range(6), key=lambda number: (draws.one(0, 9999), number))
    return {"ABCDEF"[place]: made[number] for place, number in enumerate(order)}


def _letter(offers, fits):
    """The letter of the first offer for which the function `fits` says yes."""
    return next(row["offer"] for row in offers.to_dict("records") if fits(row))


# ---- exercises

@lesson.exercise
class WhichDisk:
    """A technician comes at ten with one new disk. **What is to be done with the shelf today?**

    Give the letter as `action` and, as `serial`, the serial number on the label of the disk that comes out (for an option that takes
    none out: `"none"`).
    """

    answer = Choice(
        "action, serial",
        options={
            "A": "Replace the disk that the controller has marked as failed. Leave every other disk in its slot until the rebuild is "
            "complete.",
            "B": "Replace first the online disk with a predictive failure, while it can still be read.",
            "C": "Take out both disks that have a predictive failure in one go: RAID 6 survives the loss of two.",
            "D": "Pull the disk in the last slot and put it back, so that the rebuild, which has taken days, starts afresh.",
            "E": "Take none out, today or later: with the hot spare in the array, all is as it was before.",
        },
        evidence=DiskLabel("serial", reading=label),
    )

    def solution(disks):
        return "A", disks[disks["state"] == "failed"]["serial"].iloc[0]

    def the_suspect_first(disks):
        return "B", None

    def both(disks):
        return "C", None

    def the_rebuilding_one(disks):
        return "D", None

    def none(disks):
        return "E", None

    def label_of_the_suspect(disks):
        online = disks[disks["state"] == "online"]
        return "A", online.sort_values("media_errors")["serial"].iloc[-1]

    def label_of_the_spare(disks):
        return "A", disks[disks["role"] == "hot spare"]["serial"].iloc[0]

    def neighbour(disks):
        failed = disks[disks["state"] == "failed"]["slot"].iloc[0]
        return "A", disks[disks["slot"] == (failed - 1) % 11]["serial"].iloc[0]

    def the_slot(disks):
        return "A", str(disks[disks["state"] == "failed"]["slot"].iloc[0])

    def another_slot(disks):
        return "A", " ".join(str(slot) for slot in disks[disks["state"] != "failed"]["slot"])

    def nothing_out(disks):
        return "A", "none"

    def a_healthy_one(disks):
        online = disks[disks["state"] == "online"]
        return "A", " ".join(online.sort_values("media_errors")["serial"].iloc[:-1])

    wrong_ways = {
        the_suspect_first: "That disk is still a full member and is read in every stripe of the rebuild. While one member is missing, "
        "taking this one out uses up the second redundancy: from then on a single unreadable block is lost for good. It is replaced when "
        "the rebuild is complete, by the controller's own copy function if it has one.",
        both: "RAID 6 survives the loss of two disks, and then has nothing left: one more disk or one unreadable block, and data are gone. "
        "One of the two is still online and carries the rebuild. Why give away by hand what has not failed?",
        the_rebuilding_one: "Then the days of reading would begin again from nothing, with a weak disk among the members. The rebuild "
        "is slow because the archive works at the same time, and it does move: compare two entries of the log.",
        none: "The hot spare has taken the place of a member, so there is no spare any more, and one member announces its own failure. "
        "The failed disk is out of the array already and nothing is read from it: when it is replaced, there is a spare again.",
        label_of_the_suspect: "The option is right, but that label belongs to the disk with the predictive failure that is still online. "
        "Out comes the one whose `state` is `failed`.",
        label_of_the_spare: "The option is right, but that label belongs to the hot spare, onto which the array is being rebuilt.",
        neighbour: "The option is right, but that is the disk beside it: slots are counted from 0 here. Read the label before you pull, "
        "and let the lamp of the slot blink (most controllers can do that).",
        the_slot: "The option is right, and so is the slot. But asked is what stands on the label: a slot can be counted from 0 or from "
        "1, a serial number cannot be mistaken.",
        another_slot: "The option is right. But that is a slot, and another disk sits in it. Asked is the serial number on the label of "
        "the disk whose `state` is `failed`.",
        nothing_out: "The option is right, but it takes a disk out: the new one needs its slot. `\"none\"` goes with an option that leaves "
        "all in.",
        a_healthy_one: "The option is right, but that label belongs to a healthy disk, which is online and read in every "
        "stripe of the rebuild. Pulled, it would be the second loss. Look at the column `state`.",
    }
    hints = [
        "The log tells which disk has left the array, which one took its place, and which one only gives warnings.",
        "How many members can the array lose at this moment without losing data? Which of the options lowers that number?",
        "`disks[disks[\"state\"] == \"failed\"]` shows the row of one disk.",
    ]
    praise = (
        "Failed and out of the array: nothing is read from this one any more. What can still go wrong is the slot, and another disk would "
        "be the second loss: let the slot's lamp blink and compare the serial number, two people. Do today as well: order a disk for the "
        "slot that warns, see that the last copy can be read, and raise the rebuild's priority if the users can bear it. The failed disk "
        "had warned on 13 March, and nobody acted."
    )


def _of_disks(disks, lost):
    """What to look at in a case of exercise 2."""
    return (f"In this case the list holds {len(disks)} disks, numbers 0 to {len(disks) - 1}, and number {lost} is lost. Take in all the "
            "others, as many as there are.")


def _of_a_disk(case, found):
    """What is wrong with these bytes, or None."""
    if len(found) != len(case[0][0]):
        return "That is not as long as a disk: combine the disks byte by byte, not one behind the other."
    return None


@lesson.exercise
class LostDisk:
    """Write the function `rebuilt(disks, lost)`. It gets the **list of all disks** of a RAID 5 as numpy arrays of bytes, and the
    number of the disk that was lost, counted from 0. It returns the bytes of the lost disk. As in the example, give the result a value
    before the loop begins.

    In its slot, at `disks[lost]`, lies the replacement, full of old bytes of another shelf.
    """

    answer = Function("rebuilt", result=DiskBytes("rebuilt"), remark=_of_a_disk, about=_of_disks)
    points = 2

    def solution(disks, lost):
        result = 0
        for number in range(len(disks)):
            if number != lost:
                result = result ^ disks[number]
        return result

    def with_the_replacement(disks, lost):
        result = 0
        for disk in disks:
            result = result ^ disk
        return result

    def added_up(disks, lost):
        return (sum(disk.astype(int) for number, disk in enumerate(disks) if number != lost) % 256).astype("uint8")

    def without_the_last(disks, lost):
        result = disks[lost] ^ disks[lost]
        for number in range(len(disks) - 1):
            if number != lost:
                result = result ^ disks[number]
        return result

    def joined_by_or(disks, lost):
        result = 0
        for number in range(len(disks)):
            if number != lost:
                result = result | disks[number]
        return result

    def the_neighbour(disks, lost):
        return disks[lost - 1]

    def without_the_first(disks, lost):
        result = disks[lost] ^ disks[lost]
        for number in range(1, len(disks)):
            if number != lost:
                result = result ^ disks[number]
        return result

    def first_disk_always_in(disks, lost):
        result = disks[0]
        for number in range(1, len(disks)):
            if number != lost:
                result = result ^ disks[number]
        return result

    def first_disk_twice(disks, lost):
        result = disks[0]
        for number in range(len(disks)):
            if number != lost:
                result = result ^ disks[number]
        return result

    def all_disks_and_the_first_twice(disks, lost):
        result = disks[0]
        for disk in disks:
            result = result ^ disk
        return result

    def counted_from_one(disks, lost):
        result = 0
        for number in range(1, len(disks) + 1):
            if number != lost:
                result = result ^ disks[number - 1]
        return result

    def zeros_as_decimals(disks, lost):
        import numpy

        result = numpy.zeros(len(disks[0]))
        for number in range(len(disks)):
            if number != lost:
                result = result ^ disks[number]
        return result

    def only_the_replacement(disks, lost):
        return disks[lost]

    def the_last_one_alone(disks, lost):
        for number in range(len(disks)):
            if number != lost:
                result = disks[number]
        return result

    def return_in_the_loop(disks, lost):
        for number in range(len(disks)):
            if number != lost:
                return disks[number]

    wrong_ways = {
        with_the_replacement: "You took in the replacement too. What lies on it belongs to another array; leave `disks[lost]` out.",
        added_up: "You added the bytes. Parity is their XOR, `^`: in each bit the parity makes the number of ones even. Adding carries "
        "over from one bit to the next.",
        without_the_last: "You left out the last disk, as if it held all the parity. That would be RAID 4. In RAID 5 the parity goes "
        "round, and a rebuild needs every remaining disk.",
        joined_by_or: "You joined the bytes with `|`, which is OR: a one stays a one, however many there are. XOR is `^`.",
        the_neighbour: "That is a copy of another disk. Only a mirror, RAID 1 or RAID 10, keeps the same bytes twice.",
        without_the_first: "You left out disk 0. Numbers in a list begin with 0, and `range(len(disks))` begins there too.",
        first_disk_always_in: "You begin with disk 0 whichever disk was lost. When disk 0 itself is the lost one, the old bytes of its "
        "replacement are in the result. Begin with `0` and let the `if` decide about every disk.",
        first_disk_twice: "Disk 0 is in it twice, once before the loop and once within, and a byte XORed with itself is 0: it cancels out. "
        "Begin with `0`.",
        all_disks_and_the_first_twice: "You took in every disk, the replacement too, and disk 0 twice, before and within the loop, so that "
        "it cancels out. Begin with `0`, and leave `disks[lost]` out.",
        counted_from_one: "You counted the disks from 1, but `lost` counts from 0: so the disk before the lost one was left out, and the "
        "replacement taken in.",
        zeros_as_decimals: "`np.zeros` makes decimal numbers, 0.0, and XOR is for whole ones. Begin with `0`, or with "
        "`np.zeros(..., dtype=np.uint8)`, which makes bytes.",
        only_the_replacement: "That is what lies on the replacement, old bytes of another shelf. The others are to be taken in: `!=` means "
        "is not, `==` means is.",
        the_last_one_alone: "That is the last of the other disks alone. `result = disks[number]` puts away what was there before; "
        "`result = result ^ disks[number]` takes one more in.",
        return_in_the_loop: "Your function returns the first disk that it meets. `return` ends the function at once: it belongs below the "
        "loop, under the `f` of `for`, so that all disks have their turn.",
    }
    hints = [
        "Within each stripe, the parity is the XOR of all the other blocks. Which block is the lost one does not matter: it is the XOR of "
        "all that remain.",
        "Start with `result = 0` and take in one disk after the other with `result = result ^ disks[number]`.",
        "`for number in range(len(disks)):` goes through the numbers of the disks, and `if number != lost:` leaves one out.",
    ]
    praise = "The same line rebuilds data and parity. That the parity goes round does not matter to the rebuild."

    def cases(draw):
        import numpy

        found = []
        for count, lost, length in ((4, draw.randrange(1, 3), 4), (3, 0, draw.randrange(8, 40)), (5, 4, draw.randrange(8, 40)),
                                    (6, draw.randrange(2, 5), draw.randrange(8, 40)), (8, draw.randrange(1, 7), 600)):
            found.append(([numpy.frombuffer(draw.randbytes(length), dtype="uint8").copy() for _ in range(count)], lost))
        return found


@lesson.exercise
class LostStripes:
    """The small array above is RAID 6. The disk `pulled_disk` is gone. `bad_blocks` is the controller's list of blocks that cannot be
    read: those that a patrol read noted before the disk was pulled, and those that the rebuild has met since. **Which stripes have
    lost data for good?**

    Answer with a list of their numbers.
    """

    answer = Stripes("lost_stripes", reading=stripe)
    points = 2

    def solution(pulled_disk, bad_blocks):
        lost = []
        for number in range(16):
            missing = 1                                    # the block of the pulled disk
            for disk, bad_stripe in bad_blocks:
                if bad_stripe == number and disk != pulled_disk:
                    missing = missing + 1
            if missing > 2:
                lost = lost + [number]
        return lost

    def as_raid5(pulled_disk, bad_blocks):
        return sorted({number for disk, number in bad_blocks if disk != pulled_disk})

    def two_entries(pulled_disk, bad_blocks):
        numbers = [number for _, number in bad_blocks]
        return sorted({number for number in numbers if numbers.count(number) >= 2})

    def pulled_disk_forgotten(pulled_disk, bad_blocks):
        numbers = [number for _, number in bad_blocks]
        return sorted({number for number in numbers if numbers.count(number) >= 3})

    def parity_left_out(pulled_disk, bad_blocks):
        numbers = [number for disk, number in bad_blocks if disk != pulled_disk and (disk - 6 + number % 7) % 7 not in (0, 1)]
        return sorted({number for number in numbers if numbers.count(number) >= 2})

    def from_one(pulled_disk, bad_blocks):
        return [number + 1 for number in LostStripes.solution(pulled_disk, bad_blocks)]

    def nothing_lost(pulled_disk, bad_blocks):
        return []

    def how_many(pulled_disk, bad_blocks):
        return [len(LostStripes.solution(pulled_disk, bad_blocks))]

    wrong_ways = {
        as_raid5: "Those are all the stripes in which a block beside the pulled disk is bad. With one parity, in RAID 5, they would be "
        "lost. RAID 6 has two: with the pulled disk and one bad block it still computes both.",
        two_entries: "You counted two entries in the list as a loss. One of your stripes has the pulled disk itself as an entry, and what "
        "is missing already cannot be missed twice.",
        pulled_disk_forgotten: "You waited for three entries in the list. But one block of every stripe is missing without any entry: the "
        "one on the pulled disk.",
        parity_left_out: "You left out bad blocks that hold parity. In a stripe with a data block on the pulled disk and another bad one, "
        "the parity is exactly what is needed to compute them.",
        from_one: "These numbers are one too high. The stripes, like the disks, are counted from 0.",
        nothing_lost: "An empty list says that nothing is lost. RAID 6 bears the loss of two **disks** if every other block can be read. "
        "It is reckoned stripe by stripe: two missing blocks in a stripe are computed, and here there are stripes with more.",
        how_many: "That is one number. If it says how many stripes are lost: asked is which, a list of their numbers. If it is the number "
        "of a stripe: it is not the only one.",
    }
    hints = [
        "Look at the picture row by row: how many blocks are crossed out?",
        "The block of the pulled disk counts in every row, whether it holds data or parity.",
        "RAID 6 has two equations for each stripe, P and Q, so it computes up to two missing blocks. Look for the rows with more.",
    ]
    praise = (
        "A controller goes on and notes these places: a punctured stripe. Whoever reads there gets an error. What lay there comes from the "
        "backup, if there is one."
    )


@lesson.exercise
class RebuildRisk:
    """**How probable is it that Eastcliff's rebuild meets at least one bit that cannot be read?** In percent, to the nearest one.

    One of the disks in `eastcliff` was lost and replaced; all the others must be read from the first to the last bit. Disk sizes are in TB.
    """

    answer = Percent("risk", unit="%", tolerance=0.6, named=("about", "roughly", "nearly", "around", "circa", "ca[.]", "~"))
    points = 2

    def solution(eastcliff):
        bits = (eastcliff["disks"] - 1) * eastcliff["disk_tb"] * 1000**4 * 8
        return 100 * (1 - (1 - eastcliff["unreadable_per_bit"]) ** bits)

    def bytes_for_bits(eastcliff):
        total = (eastcliff["disks"] - 1) * eastcliff["disk_tb"] * 1000**4
        return 100 * (1 - (1 - eastcliff["unreadable_per_bit"]) ** total)

    def one_disk(eastcliff):
        return 100 * (1 - (1 - eastcliff["unreadable_per_bit"]) ** (eastcliff["disk_tb"] * 1000**4 * 8))

    def all_disks(eastcliff):
        return 100 * (1 - (1 - eastcliff["unreadable_per_bit"]) ** (eastcliff["disks"] * eastcliff["disk_tb"] * 1000**4 * 8))

    def parity_not_read(eastcliff):
        return 100 * (1 - (1 - eastcliff["unreadable_per_bit"]) ** ((eastcliff["disks"] - 2) * eastcliff["disk_tb"] * 1000**4 * 8))

    def harbour_vale(eastcliff):
        return 100 * (1 - (1 - 1e-15) ** (10 * 8 * 1000**4 * 8))

    def how_many(eastcliff):
        return 100 * eastcliff["unreadable_per_bit"] * (eastcliff["disks"] - 1) * eastcliff["disk_tb"] * 1000**4 * 8

    def none_at_all(eastcliff):
        return 100 * (1 - eastcliff["unreadable_per_bit"]) ** ((eastcliff["disks"] - 1) * eastcliff["disk_tb"] * 1000**4 * 8)

    def as_a_fraction(eastcliff):
        return RebuildRisk.solution(eastcliff) / 100

    def with_server_disks(eastcliff):
        return 100 * (1 - (1 - eastcliff["unreadable_per_bit"] / 10) ** ((eastcliff["disks"] - 1) * eastcliff["disk_tb"] * 1000**4 * 8))

    def in_tib(eastcliff):
        return 100 * (1 - (1 - eastcliff["unreadable_per_bit"]) ** ((eastcliff["disks"] - 1) * eastcliff["disk_tb"] * 1024**4 * 8))

    wrong_ways = {
        bytes_for_bits: "You counted bytes. The data sheet gives its rate per **bit** read, and a byte has eight.",
        one_disk: "You read one disk. To compute the lost one, the rebuild needs all those that remain.",
        all_disks: "You read all disks, the lost one included. That one cannot be read any more; the others are one fewer.",
        parity_not_read: "You left out two disks, the lost one and one more. There is no disk that holds the parity alone: every disk that "
        "remains is read from end to end.",
        harbour_vale: "That is the number of the cell above, which is for Harbour Vale's shelf. Eastcliff has other disks, fewer of them, "
        "and another rate: `eastcliff` tells.",
        how_many: "That is how many such errors are to be expected, times a hundred. It is no probability, and with more disks it passes "
        "a hundred. What is the chance that all bits are read well, and what is left to one?",
        as_a_fraction: "That looks like a fraction between 0 and 1. Asked are percent: a hundred times as much.",
        none_at_all: "That is the chance that the rebuild goes through. The question asks for the other case.",
        with_server_disks: "You took one error in 1e15 bits, the usual figure of disks for servers. In `eastcliff` the data sheet says "
        "something else.",
        in_tib: "You took 1024 x 1024 x 1024 x 1024 bytes, a tebibyte. The disk sizes are in TB as the makers count: a million million "
        "bytes.",
    }
    hints = [
        "How many disks must be read, how many bits are on each?",
        "All disks but the lost one are read. A TB is `1000**4` bytes, and a byte has 8 bits.",
        "`percent_at_risk(bits, per_bit)` from the cell above does the rest; it is used there for Harbour Vale's shelf.",
    ]
    praise = (
        "As the data sheet has it, a promise for the worst; many disks do better. It is why large disks get a second parity, and why a "
        "patrol read looks for bad blocks while all disks are there. To Eastcliff: make sure today that last night's backup can be read."
    )


def _of_capacity(case, found):
    """What is wrong with the TiB of one case of exercise 5, or None: by the number of data disks that they are."""
    level, disks, spares, groups, disk_tb = case
    members = disks - spares

    def is_that_of(data):
        return any(abs(number - data * disk_tb * 1000**4 / 1024**4) <= 0.051 for number in found)

    if disk_tb % 1 and level == "RAID 0" and any(is_that_of(members * size / disk_tb) for size in (int(disk_tb), round(disk_tb))):
        return f"The size of a disk is rounded here: it has {disk_tb} TB."
    counted = UsableCapacity.solution(level, disks, 0, groups, disk_tb)
    if spares and any(abs(number - counted) <= 0.051 for number in found):
        return f"Here the hot spares are counted. They hold nothing, in {level} as at every level."
    told = {
        "RAID 5": [(members - 2, "That takes two disks off: RAID 6. RAID 5 has one parity."),
                   (members, "Here the parity is not taken off.")],
        "RAID 6": [(members - 1, "That takes one disk off: RAID 5. RAID 6 has two parities."),
                   (members, "Here the parity is not taken off.")],
        "RAID 10": [(members - 1, "That takes one disk off, as in RAID 5. In RAID 10 everything is there twice."),
                    (1, "That is one disk, as in RAID 1. In RAID 10 the data are striped over all the mirrors."),
                    (members, "Here every disk counts. In RAID 10 everything is there twice.")],
        "RAID 50": [(members - 1, "That takes one disk off in all. **Each** group of RAID 50 has a parity of its own."),
                    (members - 2 * groups, "That takes two disks off in each group: RAID 60. A group of RAID 50 is RAID 5."),
                    (members, "Here the parity is not taken off.")],
        "RAID 60": [(members - 2, "That takes two disks off in all. RAID 60 keeps two disks' worth of parity in **each** group."),
                    (members - groups, "That takes one disk off in each group: RAID 50. A group of RAID 60 is RAID 6."),
                    (members, "Here the parity is not taken off.")],
    }
    fitting = [sentence for data, sentence in told.get(level, ()) if is_that_of(data)]
    return fitting[0] if len(fitting) == 1 else None


@lesson.exercise
class UsableCapacity:
    """Write the function `usable_tib(level, disks, spares, groups, disk_tb)`: how much can be stored on an array, in **TiB**?

    - `level` is one of `"RAID 0"`, `"RAID 1"`, `"RAID 5"`, `"RAID 6"`, `"RAID 10"`, `"RAID 50"`, `"RAID 60"`;
    - `disks` are all disks in the shelf, `spares` how many of them are hot spares;
    - `groups` is the number of RAID 5 or RAID 6 groups (1 for RAID 5 and RAID 6; not needed for the other levels);
    - `disk_tb` is the size of a disk as the maker gives it, in TB, such as 8 or 3.84.

    A tenth of a TiB is exact enough. RAID 1 keeps the same on all its disks; RAID 10 here keeps everything twice.
    """

    answer = Function("usable_tib", result=Number("usable_tib", unit="TiB", tolerance=0.051), remark=_of_capacity)
    points = 3

    def solution(level, disks, spares, groups, disk_tb):
        members = disks - spares
        if level == "RAID 0":
            data = members
        elif level == "RAID 1":
            data = 1
        elif level == "RAID 10":
            data = members / 2
        elif level in ("RAID 5", "RAID 50"):
            data = members - groups
        else:
            data = members - 2 * groups
        return data * disk_tb * 1000**4 / 1024**4

    def spares_counted(level, disks, spares, groups, disk_tb):
        return UsableCapacity.solution(level, disks, 0, groups, disk_tb)

    def in_tb(level, disks, spares, groups, disk_tb):
        return UsableCapacity.solution(level, disks, spares, groups, disk_tb) * 1024**4 / 1000**4

    def wrong_direction(level, disks, spares, groups, disk_tb):
        return UsableCapacity.solution(level, disks, spares, groups, disk_tb) * (1024**4 / 1000**4) ** 2

    def only_one_prefix(level, disks, spares, groups, disk_tb):
        return UsableCapacity.solution(level, disks, spares, groups, disk_tb) * (1024 / 1000) ** 3

    def raid6_like_raid5(level, disks, spares, groups, disk_tb):
        if level in ("RAID 6", "RAID 60"):
            return (disks - spares - groups) * disk_tb * 1000**4 / 1024**4
        return UsableCapacity.solution(level, disks, spares, groups, disk_tb)

    def parity_once(level, disks, spares, groups, disk_tb):
        return UsableCapacity.solution(level, disks, spares, 1, disk_tb)

    def parity_is_free(level, disks, spares, groups, disk_tb):
        if level in ("RAID 5", "RAID 6", "RAID 50", "RAID 60"):
            return UsableCapacity.solution("RAID 0", disks, spares, groups, disk_tb)
        return UsableCapacity.solution(level, disks, spares, groups, disk_tb)

    def mirrors_are_free(level, disks, spares, groups, disk_tb):
        if level in ("RAID 1", "RAID 10"):
            return UsableCapacity.solution("RAID 0", disks, spares, groups, disk_tb)
        return UsableCapacity.solution(level, disks, spares, groups, disk_tb)

    def raid1_is_free(level, disks, spares, groups, disk_tb):
        return UsableCapacity.solution("RAID 0" if level == "RAID 1" else level, disks, spares, groups, disk_tb)

    def raid10_is_free(level, disks, spares, groups, disk_tb):
        return UsableCapacity.solution("RAID 0" if level == "RAID 10" else level, disks, spares, groups, disk_tb)

    def raid1_by_half(level, disks, spares, groups, disk_tb):
        return UsableCapacity.solution("RAID 10" if level == "RAID 1" else level, disks, spares, groups, disk_tb)

    def raid1_like_raid5(level, disks, spares, groups, disk_tb):
        return UsableCapacity.solution("RAID 5" if level == "RAID 1" else level, disks, spares, groups, disk_tb)

    def one_group_alone(level, disks, spares, groups, disk_tb):
        if level in ("RAID 50", "RAID 60"):
            return UsableCapacity.solution(level, disks, spares, groups, disk_tb) / groups
        return UsableCapacity.solution(level, disks, spares, groups, disk_tb)

    def disks_in_each_group(level, disks, spares, groups, disk_tb):
        if level in ("RAID 50", "RAID 60"):
            return UsableCapacity.solution(level, disks * groups, spares * groups, groups, disk_tb)
        return UsableCapacity.solution(level, disks, spares, groups, disk_tb)

    def spares_twice(level, disks, spares, groups, disk_tb):
        return UsableCapacity.solution(level, disks, 2 * spares, groups, disk_tb)

    def spares_in_each_group(level, disks, spares, groups, disk_tb):
        return UsableCapacity.solution(level, disks, spares * groups, groups, disk_tb)

    wrong_ways = {
        spares_counted: "Your function counts the hot spares. A hot spare holds nothing: it waits, empty, until a member fails.",
        in_tb: "Those are TB, a million million bytes each. A TiB is 1024 x 1024 x 1024 x 1024 bytes, so the number in TiB is smaller.",
        wrong_direction: "You converted the wrong way: a TiB is larger than a TB, so there are fewer of them.",
        only_one_prefix: "Nearly: TB and TiB differ by four steps, kilo, mega, giga and tera, each 1000 against 1024. You took one.",
        raid6_like_raid5: "For RAID 6 and RAID 60 your function gives one disk too much in each group: they keep two parity blocks in "
        "every stripe.",
        parity_once: "For RAID 50 and RAID 60 your function takes the parity off once. Each group has its own.",
        parity_is_free: "With parity you still count all members as data. The parity takes room: in each group as much as one disk, with "
        "RAID 6 as much as two.",
        mirrors_are_free: "For RAID 1 and RAID 10 your function counts every disk. A mirror keeps the same data more than once.",
        raid1_is_free: "For RAID 1 your function adds up all disks. Each of them holds the same: together they hold what one does.",
        raid10_is_free: "For RAID 10 your function adds up all disks. Everything is there twice, on the two disks of a mirror.",
        raid1_by_half: "For RAID 1 your function gives half of the disks. That fits when there are two. RAID 1 keeps the same on **all** "
        "its disks, so a third or a fourth adds no room.",
        raid1_like_raid5: "For RAID 1 your function takes one disk off. All but one may fail there, but what it holds is something else: "
        "every disk has the same on it.",
        one_group_alone: "For RAID 50 and RAID 60 your function gives what one group holds. All groups together are asked.",
        disks_in_each_group: "For RAID 50 and RAID 60 your function takes `disks` for the disks of one group. They are all disks in the "
        "shelf; the groups share them.",
        spares_twice: "Your function takes the hot spares off twice. Once they are off, the members are left, and nothing more has to do "
        "with spares.",
        spares_in_each_group: "For RAID 50 and RAID 60 your function takes the hot spares off once for each group. `spares` is their "
        "number in the whole shelf; only the parity goes by the group.",
    }
    hints = [
        "Take off the hot spares first: what is left are the members.",
        "How many disks' worth of data do the members hold? Members less one in each group (RAID 5, 50), less two in each group "
        "(RAID 6, 60), half of them (RAID 10), one (RAID 1).",
        "From TB to TiB: times `1000**4`, divided by `1024**4`.",
        "Begin with `members = disks - spares`, and let `if level == \"RAID 0\":`, `elif ...:`, `else:` set the number of data disks, as "
        "in `bears` above.",
    ]
    praise = (
        "The same number is what `df -h` or Windows will show, less a little for the file system itself. Windows writes TB and means TiB."
    )

    def cases(draw):
        found = []
        for level in ("RAID 0", "RAID 1", "RAID 5", "RAID 6", "RAID 10", "RAID 50", "RAID 60"):
            sizes = [draw.choice((4, 8, 12, 16, 18, 20)), draw.choice((1.2, 2.4, 3.84, 7.68)), draw.choice((22, 24))]
            for place, spares in enumerate((0, 1, draw.choice((3, 4)))):
                groups = (3, 4, 2)[place] if level in ("RAID 50", "RAID 60") else 1
                members = {"RAID 0": draw.randrange(2, 9), "RAID 1": (3, 2, 4)[place], "RAID 5": draw.randrange(3, 9),
                           "RAID 6": draw.randrange(5, 13), "RAID 10": 2 * draw.randrange(3, 9)}.get(level, groups * draw.randrange(5, 9))
                found.append((level, members + spares, spares, groups, sizes[place]))
        return found


@lesson.exercise
class WritePenalty:
    """The database moves to disks of its own, `database_disks` of them, each good for **150** operations a second. In `io_trace` is an
    hour of what the database asks for.

    **How many disk operations a second does the busiest minute need**, and are the disks enough? A table with one row for each of
    `RAID 10`, `RAID 5` and `RAID 6` and the columns

    - `level`;
    - `disk_iops`: the disk operations a second in that minute which gives this level the most to do;
    - `enough`: `"yes"` or `"no"`.
    """

    answer = ByRow("iops", by="disk_iops", key=["level"], tolerance=1, spare=["minute", "reads", "writes", "penalty"],
                   reading={"level": raid_level, "disk_iops": operations, "enough": yes_or_no})
    points = 3

    def solution(io_trace, database_disks):
        rows = []
        for level, penalty in [("RAID 10", 2), ("RAID 5", 4), ("RAID 6", 6)]:
            needed = (io_trace["reads"] + penalty * io_trace["writes"]).max()
            enough = "yes" if needed <= 150 * database_disks else "no"
            rows.append({"level": level, "disk_iops": needed, "enough": enough})
        return rows

    def no_penalty(io_trace, database_disks):
        needed = (io_trace["reads"] + io_trace["writes"]).max()
        return _iops_rows({level: needed for level in PENALTIES}, database_disks)

    def penalty_on_reads(io_trace, database_disks):
        requests = io_trace["reads"] + io_trace["writes"]
        return _iops_rows({level: (requests * PENALTIES[level]).max() for level in PENALTIES}, database_disks)

    def the_average(io_trace, database_disks):
        needed = {level: (io_trace["reads"] + PENALTIES[level] * io_trace["writes"]).mean() for level in PENALTIES}
        return _iops_rows(needed, database_disks)

    def minute_with_most_requests(io_trace, database_disks):
        busiest = io_trace.loc[(io_trace["reads"] + io_trace["writes"]).idxmax()]
        return _iops_rows({level: busiest["reads"] + PENALTIES[level] * busiest["writes"] for level in PENALTIES}, database_disks)

    def two_minutes_mixed(io_trace, database_disks):
        needed = {level: io_trace["reads"].max() + PENALTIES[level] * io_trace["writes"].max() for level in PENALTIES}
        return _iops_rows(needed, database_disks)

    def raid6_like_raid5(io_trace, database_disks):
        right = {level: (io_trace["reads"] + PENALTIES[level] * io_trace["writes"]).max() for level in PENALTIES}
        return _iops_rows({**right, "RAID 6": right["RAID 5"]}, database_disks)

    def one_operation_short(io_trace, database_disks):
        penalties = {"RAID 10": 2, "RAID 5": 3, "RAID 6": 5}
        return _iops_rows({level: (io_trace["reads"] + penalties[level] * io_trace["writes"]).max() for level in penalties}, database_disks)

    def mirror_writes_once(io_trace, database_disks):
        right = {level: (io_trace["reads"] + PENALTIES[level] * io_trace["writes"]).max() for level in PENALTIES}
        return _iops_rows({**right, "RAID 10": (io_trace["reads"] + io_trace["writes"]).max()}, database_disks)

    def times_sixty(io_trace, database_disks):
        right = {level: (io_trace["reads"] + PENALTIES[level] * io_trace["writes"]).max() for level in PENALTIES}
        return _iops_rows({level: 60 * needed for level, needed in right.items()}, database_disks)

    def writes_alone(io_trace, database_disks):
        return _iops_rows({level: (PENALTIES[level] * io_trace["writes"]).max() for level in PENALTIES}, database_disks)

    def one_parity_and_mirror_exchanged(io_trace, database_disks):
        right = {level: (io_trace["reads"] + PENALTIES[level] * io_trace["writes"]).max() for level in PENALTIES}
        return _iops_rows({**right, "RAID 10": right["RAID 5"], "RAID 5": right["RAID 10"]}, database_disks)

    def parities_exchanged(io_trace, database_disks):
        right = {level: (io_trace["reads"] + PENALTIES[level] * io_trace["writes"]).max() for level in PENALTIES}
        return _iops_rows({**right, "RAID 6": right["RAID 5"], "RAID 5": right["RAID 6"]}, database_disks)

    def enough_exchanged(io_trace, database_disks):
        rows = WritePenalty.solution(io_trace, database_disks)
        return [{**row, "enough": "no" if row["enough"] == "yes" else "yes"} for row in rows]

    wrong_ways = {
        no_penalty: "You counted what the database asks for. The disks do more: a small write costs two operations in a mirror, four with "
        "one parity, six with two.",
        penalty_on_reads: "You multiplied the reads as well. A read is one operation at every level; only writes must keep copies or "
        "parity right.",
        the_average: "That is the mean of the hour. In the busiest minute the queue grows, and users wait; the disks must carry that one.",
        minute_with_most_requests: "You took the minute with the most requests. There nearly all are reads, which are cheap. For the "
        "disks another minute is worse: compute the load of each minute first, then take the greatest.",
        two_minutes_mixed: "You added the most reads of one minute to the most writes of another. No minute had both. Compute the load "
        "minute by minute.",
        raid6_like_raid5: "For RAID 6 you took RAID 5's penalty. With two parities a small write reads three blocks and writes three.",
        one_operation_short: "For a small write you counted one operation too few. With one parity it reads two blocks, the old data and "
        "the old parity, and writes two; with two parities it reads three and writes three.",
        mirror_writes_once: "For RAID 10 you counted each write once. A mirror writes each block to two disks.",
        times_sixty: "You multiplied by 60. The reads and writes in `io_trace` are those of a second already, averaged over their minute.",
        writes_alone: "You counted the writes alone, with their penalty. Each read is an operation, too.",
        one_parity_and_mirror_exchanged: "The penalties of RAID 10 and RAID 5 have changed places. A mirror writes twice; one parity "
        "costs four operations for a small write.",
        parities_exchanged: "The penalties of RAID 5 and RAID 6 have changed places. The second parity makes a small write dearer.",
        enough_exchanged: "The operations are right, but `enough` does not go with them. Compare them with what all disks do together, "
        "150 times `database_disks`: the disks are enough when no more than that is needed.",
    }
    hints = [
        "For each minute: reads, plus the penalty times writes. The penalty is 2 for RAID 10, 4 for RAID 5 and 6 for RAID 6.",
        '`(io_trace["reads"] + 2 * io_trace["writes"]).max()` is the greatest load with a penalty of 2.',
        "The disks together can do `150 * database_disks`. Enough is what is not more than that.",
        'You may type the table: `iops = [{"level": "RAID 10", "disk_iops": ..., "enough": "..."}, ...]`, three rows.',
    ]
    praise = "With the same disks, the level decides whether the morning goes well. Reads alone would not have shown it."


PENALTIES = {"RAID 10": 2, "RAID 5": 4, "RAID 6": 6}


def _iops_rows(needed, database_disks):
    return [{"level": level, "disk_iops": value, "enough": "yes" if value <= 150 * database_disks else "no"}
            for level, value in needed.items()]


def _clash(workload, kind, way):
    """Why a storage and a protocol can't be together, or a protocol not where it was put; None when nothing speaks against it."""
    names = {"fc": ("FC", "block"), "iscsi": ("iSCSI", "block"), "local": ("local", "block"), "nfs": ("NFS", "file"),
             "smb": ("SMB", "file"), "s3": ("S3", "object")}
    if way not in names or kind not in ("block", "file", "object"):
        return None
    name, carried = names[way]
    if kind != carried:
        return f"`{kind}` and `{name}` do not go together: {'a disk in the case' if name == 'local' else name} carries {carried}s."
    if name == "local":
        return "`local` is for disks in a server's own case, which nobody else needs. Read again what this one needs."
    return None


@lesson.exercise
class WhichStore:
    """Seven systems want storage; `workloads` says what each of them needs. **What does each get, and over which protocol?**

    A table with a row for each of them and the columns

    - `workload`, as in `workloads`;
    - `storage`: `block`, `file` or `object`;
    - `protocol`: `FC`, `iSCSI`, `NFS`, `SMB`, `S3`, or `local` where no network is needed.
    """

    answer = ByRow("stores", key=["workload"], spare=["needs"], reading={"storage": storage, "protocol": protocol}, clash=_clash)
    points = 3

    def solution(workloads):
        needs = dict(zip(workloads["workload"], workloads["needs"]))
        if "Fibre Channel" in needs["PACS database"]:
            database, machines = "FC", "iSCSI"
        else:
            database, machines = "iSCSI", "FC"
        return [
            # the servers format a disk that stands elsewhere: block, by the adapters that they have
            {"workload": "PACS database", "storage": "block", "protocol": database},
            {"workload": "virtual machines", "storage": "block", "protocol": machines},
            # the server formats a disk in its own case
            {"workload": "router spool", "storage": "block", "protocol": "local"},
            # the store has the file system, and several work in it: on Linux, on Windows
            {"workload": "image cache", "storage": "file", "protocol": "NFS"},
            {"workload": "CD import", "storage": "file", "protocol": "SMB"},
            # keys over HTTPS, nobody's file system
            {"workload": "VNA long-term copy", "storage": "object", "protocol": "S3"},
            {"workload": "off-site backup", "storage": "object", "protocol": "S3"},
        ]

    def database_on_a_share(workloads):
        return _changed(workloads, {"PACS database": ("file", "SMB")})

    def database_on_an_export(workloads):
        return _changed(workloads, {"PACS database": ("file", "NFS")})

    def machines_on_a_share(workloads):
        return _changed(workloads, {"virtual machines": ("file", "NFS")})

    def links_exchanged(workloads):
        right = {row["workload"]: row["protocol"] for row in WhichStore.solution(workloads)}
        exchanged = {"PACS database": ("block", right["virtual machines"]), "virtual machines": ("block", right["PACS database"])}
        return _changed(workloads, exchanged)

    def no_adapters_for_fc(workloads):
        return _changed(workloads, {_block_over(workloads, "iSCSI"): ("block", "FC")})

    def adapters_left_idle(workloads):
        return _changed(workloads, {_block_over(workloads, "FC"): ("block", "iSCSI")})

    def iscsi_is_file(workloads):
        return _changed(workloads, {_block_over(workloads, "iSCSI"): ("file", "iSCSI")})

    def san_is_shared(workloads):
        return _changed(workloads, {"image cache": ("block", "FC")})

    def iscsi_is_shared(workloads):
        return _changed(workloads, {"image cache": ("block", "iSCSI")})

    def smb_for_linux(workloads):
        return _changed(workloads, {"image cache": ("file", "SMB")})

    def nas_is_a_disk(workloads):
        return _changed(workloads, {"CD import": ("block", "SMB")})

    def nfs_for_windows(workloads):
        return _changed(workloads, {"CD import": ("file", "NFS")})

    def archive_on_a_nas(workloads):
        return _changed(workloads, {"VNA long-term copy": ("file", "NFS")})

    def archive_on_a_share(workloads):
        return _changed(workloads, {"VNA long-term copy": ("file", "SMB")})

    def backup_in_the_san(workloads):
        return _changed(workloads, {"off-site backup": ("block", "iSCSI")})

    def spool_in_the_san(workloads):
        return _changed(workloads, {"router spool": ("block", "FC")})

    def spool_over_ethernet(workloads):
        return _changed(workloads, {"router spool": ("block", "iSCSI")})

    def spool_is_files(workloads):
        return _changed(workloads, {"router spool": ("file", "local")})

    def spool_on_an_export(workloads):
        return _changed(workloads, {"router spool": ("file", "NFS")})

    def cache_as_objects(workloads):
        return _changed(workloads, {"image cache": ("object", "S3")})

    def import_as_objects(workloads):
        return _changed(workloads, {"CD import": ("object", "S3")})

    def archive_in_the_san(workloads):
        return _changed(workloads, {"VNA long-term copy": ("block", "FC")})

    def backup_on_a_share(workloads):
        return _changed(workloads, {"off-site backup": ("file", "SMB")})

    wrong_ways = {
        database_on_a_share: "The database would lie on a Windows share. Every small write would go through the file server's locks and "
        "caches, and the vendor supports only a disk that the database server formats itself. That is block storage.",
        database_on_an_export: "The database would lie on a file server. Some databases can do that; this vendor supports only a disk "
        "that the database server formats itself. That is block storage.",
        machines_on_a_share: "A file server can carry virtual machines too, but read the need again: the hypervisors format the disk "
        "themselves. What can be formatted is block storage.",
        links_exchanged: "Both are block storage, but you exchanged the ways: Fibre Channel needs its own adapters and switches, iSCSI "
        "runs over Ethernet.",
        no_adapters_for_fc: "Fibre Channel needs adapters and switches of its own. One of the systems that you gave it has Ethernet only.",
        adapters_left_idle: "Block storage, yes. But the system to which you gave iSCSI has Fibre Channel adapters, and those speak FC. "
        "iSCSI is for Ethernet.",
        iscsi_is_file: "iSCSI runs over TCP/IP, yet it carries SCSI commands for numbered blocks. The server formats what it gets. The "
        "network does not make a NAS, the file system in the store does.",
        san_is_shared: "Two servers on one LUN, each with a file system of its own, overwrite each other's tables of contents. A SAN "
        "shares disks, not files. Who wants one directory tree with locks wants a file server (or a cluster file system, which is not "
        "asked here).",
        iscsi_is_shared: "Two servers on one iSCSI disk, each with an ordinary file system of its own, overwrite each other's tables of "
        "contents. Who wants one directory tree with locks wants a file server.",
        smb_for_linux: "The servers run Linux and the rights are those of UNIX: that is NFS's home. Linux can mount an SMB share, but its "
        "owners and rights are those of Windows.",
        nas_is_a_disk: "A mapped drive letter looks like a disk, but Windows asks the server for files by name, not for blocks. SMB is a "
        "file protocol.",
        nfs_for_windows: "The PCs run Windows and the rights are groups of Active Directory: that is SMB's home. NFS is at home on UNIX "
        "and Linux.",
        archive_on_a_nas: "A file server could hold the images, but the need says HTTPS request and key, and nobody may delete, not even "
        "an administrator. That is an object store with a retention lock (WORM: write once, read many).",
        archive_on_a_share: "On a Windows share an administrator can delete, and files are asked for by name over SMB. This need says "
        "HTTPS request and key, and a retention lock that binds everybody: an object store.",
        backup_in_the_san: "The backup program speaks HTTPS with a bucket. And a copy in the same storage network falls with it.",
        spool_in_the_san: "This server has its disks in its own case and shares them with nobody: direct-attached storage. A network "
        "would only add what can break.",
        spool_over_ethernet: "iSCSI brings a disk that stands elsewhere. This server has its own two in its case, and the need names no "
        "other server: nothing has to go over a network.",
        spool_is_files: "The router does keep files there. But `storage` says what the **store** offers to the server: the two disks in "
        "its case offer numbered blocks, and the file system on them is made by the server itself. File storage is where the store has "
        "the file system and hands out files over a network.",
        spool_on_an_export: "A file server is for files that several want. What waits on the router belongs to this one server, which has "
        "two disks of its own in its case.",
        cache_as_objects: "Two servers work in one directory tree with owners, rights and file locks. An object store has none of these: "
        "no directories, no locks, and an object is only written as a whole.",
        import_as_objects: "The Windows PCs drop files into a folder, as with any mapped drive. A bucket is no folder, and it does not ask "
        "Active Directory for a group.",
        archive_in_the_san: "A disk in the storage network could hold the images, but the need says HTTPS request and key, and whoever "
        "administers the server could overwrite any block of it. An object store with a retention lock is meant.",
        backup_on_a_share: "The backup program speaks HTTPS with a bucket. A share at home would not be off site, and who may write to it "
        "may delete, too.",
    }
    hints = [
        "Ask of each: who makes the file system? The server itself: block. The store: file. Nobody, it is keys and HTTPS: object.",
        "Then the way: block over Fibre Channel adapters is FC, over Ethernet iSCSI, in the case local. Files for Windows: SMB, for "
        "Linux: NFS.",
        'Seven rows; you may type them: `stores = [{"workload": "PACS database", "storage": "block", "protocol": "..."}, ...]`.',
    ]
    praise = "What the application asks for decides: blocks, files or objects. Speed and price come after that."


def _block_over(workloads, way):
    """The workload that gets block storage over this protocol."""
    return next(row["workload"] for row in WhichStore.solution(workloads) if row["protocol"] == way)


def _changed(workloads, changes):
    """The right table with other choices for some of the workloads."""
    return [{**row, **dict(zip(("storage", "protocol"), changes.get(row["workload"], (row["storage"], row["protocol"]))))}
            for row in WhichStore.solution(workloads)]


@lesson.exercise
class WhenFull:
    """**In which month will `/archive/near1` be full**, 240 TB, if it goes on growing by as many TB a year as in the twelve months from
    1 April 2024 to 1 April 2025? Start from what is used today, 7 April 2025.

    Give the month with its year, such as `"2025-04"`.
    """

    answer = Month("full_month", reading=month)
    points = 2

    def solution(near1):
        from datetime import date, timedelta

        per_year = near1["2025-04-01"] - near1["2024-04-01"]
        left = 240 - near1["2025-04-07"]
        full = date(2025, 4, 7) + timedelta(days=left / per_year * 365)
        return full.strftime("%Y-%m")

    def mean_of_all_years(near1):
        return _month_after(240 - near1["2025-04-07"], (near1["2025-04-01"] - near1["2022-04-01"]) / 3)

    def pace_of_one_month(near1):
        return _month_after(240 - near1["2025-04-07"], 12 * (near1["2025-04-01"] - near1["2025-03-01"]))

    def as_if_empty(near1):
        return _month_after(240, near1["2025-04-01"] - near1["2024-04-01"])

    def alarm_and_not_full(near1):
        return _month_after(0.9 * 240 - near1["2025-04-07"], near1["2025-04-01"] - near1["2024-04-01"])

    def at_85_percent(near1):
        return _month_after(0.85 * 240 - near1["2025-04-07"], near1["2025-04-01"] - near1["2024-04-01"])

    def percent_of_percent(near1):
        import math

        factor = near1["2025-04-01"] / near1["2024-04-01"]
        return _month_after(math.log(240 / near1["2025-04-07"]) / math.log(factor), 1)

    def of_eastcliff(near1):
        return "2026-11"

    wrong_ways = {
        mean_of_all_years: "Several ways lead to this month. If you took another stretch of time for the pace, such as all three years or "
        "a calendar year: the question names the twelve months from April to April. If you rounded the months that are left: keep the "
        "fraction, and let the date decide.",
        pace_of_one_month: "You took March alone, times twelve. In that month old studies were migrated: one month is no pace.",
        as_if_empty: "You let all 240 TB fill up at that pace. Most of it is full already: what counts is what is left.",
        alarm_and_not_full: "That is when 90 % are reached. A good day for the order, but asked is when it is full.",
        at_85_percent: "That is when 85 % are reached. Asked is when it is full.",
        percent_of_percent: "You let it grow by the same percentage every year. Asked is the same number of TB every year.",
        of_eastcliff: "That is the month of Eastcliff's NAS in the cell above. Put near1's numbers in place of 12, 9.6 and 1.5.",
    }
    hints = [
        "Three numbers: how much came in the twelve months, how much is left, and how many years that lasts.",
        '`near1["2025-04-01"] - near1["2024-04-01"]` is the pace in TB a year. What is left is 240 less `near1["2025-04-07"]`.',
        "Years times 365 are days; `date(2025, 4, 7) + timedelta(days=...)` is the day. The cell above does it for Eastcliff.",
    ]
    praise = (
        "Put the quarter into the budget talk, and order long before: tender, delivery and migration take their months, and stores slow "
        "down or stop before they are quite full."
    )


def _month_after(left, per_year):
    return (datetime.date(2025, 4, 7) + datetime.timedelta(days=left / per_year * 365)).strftime("%Y-%m")


@lesson.exercise
class AfterTheAttack:
    """In the security officer's table-top exercise, an attacker encrypts the images on the VNA's store; `drill` has the times, local time.
    The store is restored as a whole. **From which copy?**

    Give the letter as `restore_from` and, as `lost_hours`, how many hours of incoming studies are missing in that copy: from the
    moment whose state it holds to the moment at which the encryption began (10 h 20 min are `10 + 20 / 60`).
    """

    answer = Choice(
        "restore_from, lost_hours",
        options={
            "A": "None is needed: the store is RAID 6.",
            "B": "The snapshots, made every four hours on the same store.",
            "C": "The replica at Eastcliff, which takes over every change within 15 minutes.",
            "D": "The tape of Friday.",
            "E": "The tape of Saturday.",
            "F": "The tape of Sunday.",
        },
        evidence=Hours("lost_hours", unit="h", tolerance=0.1),
    )
    points = 2

    def solution(drill):
        from datetime import datetime

        begins = datetime.fromisoformat(drill["encryption begins"])
        tape = datetime.fromisoformat(drill["tape of Saturday, job starts"])
        return "E", (begins - tape).total_seconds() / 3600

    def raid(drill):
        return "A", None

    def snapshots(drill):
        return "B", None

    def replica(drill):
        return "C", None

    def friday(drill):
        return "D", None

    def sunday(drill):
        return "F", None

    def from_the_end_of_the_tape(drill):
        return "E", _hours(drill["tape of Saturday, job ends"], drill["encryption begins"])

    def until_noticed(drill):
        return "E", _hours(drill["tape of Saturday, job starts"], drill["noticed"])

    def unnoticed(drill):
        return "E", _hours(drill["encryption begins"], drill["noticed"])

    def nothing_lost(drill):
        return "E", 0

    def until_the_snapshots(drill):
        return "E", _hours(drill["tape of Saturday, job starts"], drill["snapshots deleted by the attacker"])

    def as_planned(drill):
        return "E", 24

    wrong_ways = {
        raid: "RAID keeps the store alive when a *disk* fails. What is written over is written over, on every disk and in every parity, "
        "at once. RAID is no backup.",
        snapshots: "The snapshots lie on the same store, under the same administrator. Look at what happened to them a little later. They "
        "help against a slip of the hand, not against somebody who holds the keys.",
        replica: "A replica repeats every change, the encryption and each deletion too, a quarter of an hour later. It helps when a site "
        "is lost, not when data are.",
        friday: "That copy is sound, but it is not the newest that is. A day of studies would be given away.",
        sunday: "That job started after the encryption had begun: on the tape lie encrypted files. That a backup is complete does not say "
        "that it is good. (Single new studies may be picked from it later.)",
        from_the_end_of_the_tape: "The copy is right. But the job holds the state of the moment at which it starts, as the text above "
        "says. What came while it ran is not on the tape.",
        until_noticed: "The copy is right. But the end to take is when the encryption began, not when somebody noticed it. That is asked.",
        unnoticed: "The copy is right. But that is how long nobody noticed. Asked is the stretch before it: from the state on the tape to "
        "the moment at which the encryption began.",
        nothing_lost: "The copy is right. But something is missing in it: what came after its job had started and before the encryption "
        "began.",
        until_the_snapshots: "The copy is right. But you counted until the snapshots were deleted. What came after the encryption had "
        "begun was lost in any case: that is the end to take.",
        as_planned: "The copy is right. A day is the plan, the greatest loss that can be with a job each night. Asked is what it comes to "
        "here.",
    }
    hints = [
        "For each copy: does the attack reach it too? Is it older than the attack?",
        "Of the copies that are left, the newest. A job holds the state of the moment at which it starts.",
        "From that moment to `encryption begins`, in hours; a quarter of an hour is 0.25.",
    ]
    praise = (
        "This loss is compared with the recovery point objective, RPO; how long the restore takes, with the recovery time objective, RTO. "
        "What is missing may still be on the modalities: ask before their disks are cleared. And attackers are often inside for days "
        "before they strike: a copy is checked before it goes back."
    )


def _hours(begin, end):
    return (datetime.datetime.fromisoformat(end) - datetime.datetime.fromisoformat(begin)).total_seconds() / 3600


@lesson.exercise
class WhichOffer:
    """The successor of `/archive/near1` is bought. In `offers` are six offers. **Which is the cheapest that meets all three conditions?**

    1. On 7 April 2030, five years from today, it is at most **85 %** full. It takes over what near1 holds today and grows at the pace of
       exercise 8 (TB a year, the same each year).
    2. Whichever **two disks** fail at the same time, nothing is lost.
    3. A disk is rebuilt within **four days**; the makers promise 60 MB/s beside the daily work.

    Give its letter as `choice` and, as `usable_tb`, what can be stored on it, in **TB**.
    """

    answer = Choice(
        "choice, usable_tb",
        options={letter: f"Offer {letter}" for letter in "ABCDEF"},
        evidence=Number("usable_tb", unit="TB", tolerance=0.5),
    )
    points = 4

    def solution(offers, near1):
        per_year = near1["2025-04-01"] - near1["2024-04-01"]
        needed = (near1["2025-04-07"] + 5 * per_year) / 0.85
        letter, letters_usable, letters_price = "", 0, 1_000_000
        for offer in offers.to_dict("records"):
            usable = (offer["disks"] - offer["hot_spares"] - 2 * offer["groups"]) * offer["disk_tb"]
            days = offer["disk_tb"] * 1000**4 / (60 * 1000**2) / 86400
            if offer["level"] == "RAID 60" and usable >= needed and days <= 4 and offer["price_keur"] < letters_price:
                letter, letters_usable, letters_price = offer["offer"], usable, offer["price_keur"]
        return letter, letters_usable

    def too_small(offers, near1):
        return _letter(offers, lambda row: row["level"] == "RAID 60" and row["hot_spares"] == 4), None

    def single_parity(offers, near1):
        return _letter(offers, lambda row: row["level"] == "RAID 50"), None

    def mirrors(offers, near1):
        return _letter(offers, lambda row: row["level"] == "RAID 10"), None

    def slow_rebuild(offers, near1):
        return _letter(offers, lambda row: row["disk_tb"] == 24), None

    def too_dear(offers, near1):
        right = WhichOffer.solution(offers, near1)[0]
        large = offers[(offers["level"] == "RAID 60") & (offers["hot_spares"] == 2) & (offers["disk_tb"] < 24)]
        return _letter(large, lambda row: row["offer"] != right), None

    def raw_capacity(offers, near1):
        row = _row(offers, WhichOffer.solution(offers, near1)[0])
        return row["offer"], row["disks"] * row["disk_tb"]

    def spares_counted(offers, near1):
        row = _row(offers, WhichOffer.solution(offers, near1)[0])
        return row["offer"], (row["disks"] - 2 * row["groups"]) * row["disk_tb"]

    def parity_once(offers, near1):
        row = _row(offers, WhichOffer.solution(offers, near1)[0])
        return row["offer"], (row["disks"] - row["hot_spares"] - 2) * row["disk_tb"]

    def single_parity_counted(offers, near1):
        row = _row(offers, WhichOffer.solution(offers, near1)[0])
        return row["offer"], (row["disks"] - row["hot_spares"] - row["groups"]) * row["disk_tb"]

    def what_is_needed(offers, near1):
        per_year = near1["2025-04-01"] - near1["2024-04-01"]
        return WhichOffer.solution(offers, near1)[0], (near1["2025-04-07"] + YEARS_AHEAD * per_year) / MOST_FULL

    def in_tib(offers, near1):
        letter, usable = WhichOffer.solution(offers, near1)
        return letter, usable * 1000**4 / 1024**4

    def parity_counted(offers, near1):
        row = _row(offers, WhichOffer.solution(offers, near1)[0])
        return row["offer"], (row["disks"] - row["hot_spares"]) * row["disk_tb"]

    def at_85_percent(offers, near1):
        letter, usable = WhichOffer.solution(offers, near1)
        return letter, 0.85 * usable

    wrong_ways = {
        too_small: "It does not hold enough for condition 1. Take off the spares and two disks in each group; what is left must be at "
        "least what is needed when no more than 85 % of it may be full.",
        single_parity: "RAID 50 has one parity in each group. If the second disk to fail is in the same group as the first, its data are "
        "gone. Condition 2 says: whichever two.",
        mirrors: "RAID 10 survives many pairs, but not every one: when both disks of the same mirror fail, their data are gone. Condition "
        "2 says: whichever two.",
        slow_rebuild: "Its disks are too large for condition 3: divide the size of one disk by 60 MB/s. All that time the group has one "
        "redundancy less.",
        too_dear: "It meets the conditions, but another one does so for less.",
        raw_capacity: "The offer is right. But that is all its disks together, spares and parity included.",
        spares_counted: "The offer is right. But the hot spares are in your number: they hold no data.",
        parity_once: "The offer is right. But RAID 60 keeps two disks' worth of parity in **each** group.",
        single_parity_counted: "The offer is right. But you took off one disk in each group: that is RAID 50. RAID 60 has two parities.",
        what_is_needed: "The offer is right. But that is what is needed. Asked is what can be stored on this offer: it holds a little "
        "more.",
        in_tib: "The offer is right, and the number would be in TiB. Asked is TB, as the makers count.",
        parity_counted: "The offer is right, and the spares are off. But the members' parity is still in your number: it takes room in "
        "each group.",
        at_85_percent: "The offer is right. But that is what may lie on it in five years under condition 1. Asked is what it can hold in "
        "all.",
    }
    hints = [
        "Strike out first what cannot meet condition 2: at which levels can two failing disks meet in one mirror or in one group with a "
        "single parity?",
        "Needed are (used today + 5 x the pace) / 0.85, in TB. Usable are (disks - hot spares - 2 x groups) x the size of a disk.",
        "Four days are 4 x 86,400 seconds. At 60 MB/s, how many TB is that? No disk may be larger.",
        "Of those that are left, the cheapest. `offers` is short enough for pencil and paper.",
    ]
    praise = "Write the arithmetic beside the choice: whoever decides next year sees why, and what would change it."


def _row(offers, letter):
    return next(row for row in offers.to_dict("records") if row["offer"] == letter)
