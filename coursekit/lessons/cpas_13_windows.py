"""MS-DOS and Windows at the workstation: the exercises of lesson cpas-13."""

import datetime
import re
from functools import lru_cache
from pathlib import PurePath

from coursekit.checking import Bytes, Choice, Function, Kind, Lesson, Set, Table, Text
from coursekit.checking.kinds.base import Difference
from coursekit.checking.kinds.text import LONGEST
from coursekit.checking.reading import Unclear, Unreadable, describe, is_a, is_library, plain, short, single
from coursekit.checking.verdict import Verdict
from coursekit.hospital.draws import Draws

lesson = Lesson(
    "cpas-13",
    title="MS-DOS and Windows at the workstation",
    version=1,
    minutes=90,
    objectives=[
        "find out which service waits on which port, under which account it runs, and what the event log says of its end",
        "tell what a service sees of drives, shares, registry and variables, and what only a person who is logged in sees",
        "judge file names, text encodings and batch files as Windows, MS-DOS and DICOM media take them",
    ],
    covers=["MS-DOS", "Windows"],
    needs=["cpas-01"],
)

STATION = "10.20.40.13"
DOMAIN = ".hvgh.example"
ADDRESSES = {"10.20.20.10": "hv-file"}


# ---- what a person may write, in one form

_EATEN = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}


def windows_path(value):
    """A path of Windows in one form: small letters, single backslashes, and two in front of a server's name.

    A path typed without `r` in front may have lost a backslash to Python, or a backslash and a letter: both are put back. One that holds
    two backslashes where one belongs is refused.
    """
    text = "".join(_EATEN.get(letter, letter) for letter in str(value)).strip().strip("'\"`\u201c\u201d").strip()
    if re.match(r"\\{3}", text) or "\\\\" in text[1:]:
        raise ValueError("it holds two backslashes where one belongs. They are doubled in quotes without `r`, and in a `.reg` file; "
                         "with `r` in front of the quotes nothing is doubled")
    text = text.replace("/", "\\").casefold()
    text = re.sub(r"^\\\\[?.]\\(unc\\)?", lambda long: "\\\\" if long[1] else "", text)      # \\?\UNC\server, for paths of any length
    parts = [part for part in text.split("\\") if part.strip()]
    if not parts:
        raise ValueError("it holds no path")
    if text.startswith("\\\\"):
        server = parts[0].removesuffix(DOMAIN)
        return "\\\\" + "\\".join([ADDRESSES.get(server, server), *parts[1:]])
    return ("\\" if text.startswith("\\") else "") + "\\".join(parts)


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DATE = re.compile(
    r"(?P<y1>\d{4})[-/.](?P<m1>\d\d?)[-/.](?P<d1>\d\d?)|(?P<d2>\d\d?)[-/.](?P<m2>\d\d?)[-/.](?P<y2>\d{4})"
    r"|(?P<d3>\d\d?)(?:st|nd|rd|th)?\.? (?P<m3>[a-z]{3})[a-z]*\.?,?(?: (?P<y3>\d{4}))?"
    r"|(?P<m4>[a-z]{3})[a-z]*\.? (?P<d4>\d\d?)(?:st|nd|rd|th)?(?:,? (?P<y4>\d{4}))?(?![\d:])", re.IGNORECASE)


def clock_time(value):
    """The time of day in a text, as HH:MM:SS, with a Z behind it where the text says that it is UTC.

    A date beside it must be that of the log, and a zone that of the hospital.
    """
    text = str(value)
    date = next((one for one in _DATE.finditer(text)
                 if not (one["m3"] or one["m4"]) or (one["m3"] or one["m4"]).casefold() in _MONTHS), None)
    if date:
        year, month, day = (next((date[f"{part}{form}"] for form in "1234" if date[f"{part}{form}"]), "2025") for part in "ymd")
        month = int(month) if month.isdigit() else _MONTHS.index(month.casefold()) + 1
        if (int(year), month, int(day)) != (2025, 4, 4):
            raise ValueError("that is another day; the log is of Friday 4 April 2025")
        text = f"{text[:date.start()]} {text[date.end():]}"
    found = re.search(r"(?<!\d)(\d{1,2})[:.h](\d\d)[:.](\d\d)(?:[.,]\d+)?\s*(?:([ap])\.?m)?", text, re.IGNORECASE)
    if not found:
        raise ValueError("give hours, minutes and seconds, as in 09:15:30")
    hours, minutes, seconds = (int(part) for part in found.groups()[:3])
    if found[4]:
        hours = hours % 12 + 12 * (found[4].casefold() == "p")
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError("no clock shows that")
    behind = text[found.end():]
    shift = re.search(r"([+-])\s*0?(\d\d?)(?::?00)?\b", behind)
    if shift and (shift[1], int(shift[2])) not in (("+", 2), ("+", 0), ("-", 0)):
        raise ValueError("the zone behind it is not that of the hospital")
    in_utc = int(shift[2]) == 0 if shift else re.search(r"\b(utc|gmt)\b|^\s*z\b", behind, re.IGNORECASE) is not None
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}" + "Z" * in_utc


def account(value):
    """The name of an account without its domain: "NT AUTHORITY\\SYSTEM" and "Local System" are both "localsystem"."""
    name = re.sub(r"\s*\([^)]*\)\s*$", "", str(value).strip().strip("'\"`"))         # "Local System (SYSTEM)", as the lesson's table has it
    name, at, domain = name.replace("/", "\\").split("\\")[-1].partition("@")
    if at and f".{domain.strip().casefold()}" not in (DOMAIN, ".hvgh"):
        raise ValueError(f"there is no domain {short(domain)} here; the accounts are those of HVGH, hvgh.example")
    name = re.sub(r"[\s.]+", "", name).casefold()
    if not name:
        raise ValueError("it holds no name")
    if name.endswith("$"):
        raise ValueError("that is how it arrives at the file server. Which account of the list arrives under that name? Give that one, or "
                         "those")
    return {"system": "localsystem"}.get(name, name)


def service(value):
    """The name of a service."""
    return str(value).strip().casefold()


def port(value):
    """The number of a port, also behind the address at which netstat shows it: "0.0.0.0:445"."""
    found = re.fullmatch(r"(?:.*:)?\s*(\d+)\s*(?:/\s*tcp)?", str(value).strip(), re.IGNORECASE)
    if not found:
        raise ValueError("it is no number of a port")
    return int(found[1])


def stored(value):
    """The path behind --store, with or without that word in front, as `windows_path` gives it."""
    return windows_path(re.sub(r"^\s*-*store[\s=]+", "", str(value), flags=re.IGNORECASE))


def night(value):
    """A day of April, as "2 April", in however a night is named."""
    found = re.search(r"2025-0?4-0?(\d)\b|(?<!\d)0?(\d)(?!\d)", str(value))
    if not found:
        raise ValueError("it names no day")
    return f"{found[1] or found[2]} April"


def reported(value):
    """A number of lines, also as "11 lines" or "none"."""
    if isinstance(value, str):
        text = re.sub(r"\s*lines?\b.*", "", value.strip().casefold())
        return {"none": 0, "no": 0, "nothing": 0}.get(text, int(text) if text.isdecimal() else value)
    return value


class EventTime(Text):
    """The time of day of an event; of a wrong way that reads UTC it does not matter whether UTC was said."""

    def difference(self, answer, other):
        """None when both are the same time of the same clock."""
        if f"{answer}Z" == other:
            return None
        found = super().difference(answer, other)
        return found and Difference("That is the time of another event, or not on the hospital's clock. Look for the event that says what "
                                    "went wrong; its SystemTime is UTC.", found.label)


class WindowsPath(Text):
    """A path, also as an object of pathlib; of a wrong one the first part that is not right is named."""

    def __init__(self, variables, reading=windows_path):
        super().__init__(variables, reading=reading)

    def read(self, given):
        """The path as text."""
        return super().read(PurePath.__str__(given) if is_a(given, PurePath) else given)

    def difference(self, answer, other):
        """None when both are the same path."""
        found = super().difference(answer, other)
        mine, right = answer.split("\\"), other.split("\\")
        if found and right[0].endswith(":"):
            if answer.lstrip("\\") == "\\".join(right[1:]):
                return Difference("The drive in front is missing.", "drive")
            if mine[1:] == right[1:]:
                return Difference(f"The folders are right; the drive in front, {short(mine[0], 20)}, is not.", "drive")
        same = next((place for place, (one, two) in enumerate(zip(mine, right)) if one != two), min(len(mine), len(right)))
        if found is None or not any(right[:same]):
            return found
        mine, right = mine[same:], right[same:]
        if len(mine) == len(right) and mine[1:] == right[1:] and abs(len(mine[0]) - len(right[0])) < 2:     # one letter, mistyped
            return found
        if not mine:
            return Difference("Your path is right as far as it goes, but it ends too early.", "part")
        return Difference(f"In your path {short(mine[0], 40)} is not right; what stands in front of it is.", "part")


class UncPath(WindowsPath):
    """A path that begins with a server's name."""

    def difference(self, answer, other):
        """None when both are the same path; else what is wrong with the beginning, if anything is."""
        if answer != other and answer.lstrip("\\") == other.lstrip("\\") or re.match(r"\\?hv-file\b", answer):
            if answer.startswith("\\"):
                return Difference("One backslash is at the beginning where two belong. If you wrote two: without `r` in front of the "
                                  "quotes Python makes one of them.", "one backslash")
            return Difference("The two backslashes at the beginning are missing. Without them Windows looks for a folder of that name in "
                              "the folder where the program happens to be.", "no backslashes")
        mine, right = answer[2:].partition("\\"), other[2:].partition("\\")
        if answer != other and answer.startswith("\\\\") and mine[0] != right[0] and mine[2] == right[2]:
            if re.sub(r"[_\-:\s]", "", mine[0]) == re.sub(r"[_\-:\s]", "", right[0]):
                return Difference(f"The server's name is not {short(mine[0], 30)}. Compare it sign by sign with `net use`: host names "
                                  "have a hyphen, no underscore, and no colon stands behind them.", "server")
            if mine[0] == "hvgh":
                return Difference("HVGH is the domain, the list of users and computers. In front of the share stands the server's name.",
                                  "domain")
        server, full = other[2:].partition("\\")[0], answer[2:].partition("\\")[0]
        if answer != other and answer.startswith(f"\\\\{server}."):
            return Difference(f"The server's full name does not end in `{full.partition('.')[2][:40]}`; nothing here shows it. The "
                              "short name, as `net use` prints it, is enough.", "another domain")
        return super().difference(answer, other)


class ShortNames(WindowsPath):
    """A path of short names."""

    def difference(self, answer, other):
        """None when both are the same path."""
        if answer != other and re.sub(r"~\d|(?<=\\cd)\d{4}", "~", answer) == re.sub(r"~\d|(?<=\\cd)\d{4}", "~", other):
            return Difference("That is the path of another folder: a neighbour whose name begins alike. With it the importer would read "
                              "another patient's CD, or none. Compare each part of your path with its long name in the listings.",
                              "neighbour")
        if answer != other and ".exe" in answer:
            return Difference("Give the path of the file alone, without a program in front.", "program")
        long = next((part for part in answer.split("\\") if " " in part.strip() or len(part.strip().partition(".")[0]) > 8), None)
        if answer != other and "~" in answer and long:
            return Difference(f"`{long[:40]}` is still a long name: the importer takes none. Replace it as you did the other one.",
                              "half long")
        return super().difference(answer, other)


class Accounts(Set):
    """Some of the accounts of a list."""

    def difference(self, answer, other):
        """None when both hold the same accounts; else a reason for each kind of fault."""
        found = super().difference(answer, other)
        if found is None or not answer:
            return found
        extra, missing = [name for name in answer if name not in other], [name for name in other if name not in answer]
        reasons = []
        if "localservice" in extra:
            reasons.append("Local Service has no name on the network: see its row in the table of accounts.")
        services = [short(answer[name]) for name in extra if name.startswith("svc_")]
        if services:
            reasons.append(f"{' and '.join(services)}: not both lists let it write. Look up what the share gives it, itself or as a member "
                           "of a group, and then what the folder gives it.")
        others = [short(answer[name]) for name in extra if name not in ("localservice",) and not name.startswith("svc_")]
        if others:
            reasons.append(f"{' and '.join(others)} is not in the list of accounts to choose from, or does not belong there.")
        if any(name.startswith("svc_") for name in missing):
            reasons.append("An account of the domain is missing: one of them may write by both lists.")
        if any(not name.startswith("svc_") for name in missing):
            reasons.append("Something built-in is missing: look in the table as what each of these accounts appears on the network, and "
                           "which group has that as a member.")
        return Difference(" ".join(reasons), found.label)


class FileBytes(Bytes):
    """The bytes of a file."""

    def difference(self, answer, other):
        """None when all bytes agree."""
        found = super().difference(answer, other)
        if found is None or answer[:1] == other[:1]:
            return found
        if not answer:
            return Difference("Nothing came back: it is empty.", "value")
        return found if other else Difference(
            "An empty file has to stay empty, and of a mark alone nothing is to be left.", "value")


class Evenings(Table):
    """A table with a number for each evening, or the numbers alone, in the order of the evenings."""

    def read(self, given):
        """The table as Rows."""
        value = given if is_library(given, "pandas", "DataFrame") else plain(given)
        if type(value) is list and len(value) == 3 and all(type(one) in (int, float) for one in value):
            given = list(zip(("2 April", "3 April", "4 April"), value))
        return super().read(given)

    def difference(self, answer, other):
        """None when the numbers are the same; else where to begin."""
        found = super().difference(answer, other)
        if found is None or found.label != "value":
            return found
        return Difference(f"{found.message} Ask first which number cmd puts in the place of `%ERRORLEVEL%` that evening, and when; then "
                          "for how many of the files the comparison holds.", found.label)


class YesNo(Kind):
    """True or False."""

    takes = "True or False"

    def read(self, given):
        """The truth value."""
        value = single(plain(given))
        if type(value) is bool:
            return value
        if type(value) is str and value.strip().casefold() in ("true", "false"):
            raise Unclear("text; leave out the quotes around True and False")
        raise Unclear(describe(given))

    def difference(self, answer, other):
        """None when both are the same."""
        return None if answer == other else Difference("That is the wrong way round.", "value")


# ---- what the machines print

def _lines(text):
    return text.replace("\r\n", "\n")


def _draws(hospital, room):
    return Draws(hospital.seed, f"cpas-13 {room}")


def _shuffled(draws, some):
    left, order = list(some), []
    while left:
        order.append(left.pop(draws.one(0, len(left) - 1)))
    return order


def _programs(hospital):
    """The services of WS_ED1 beside those that the hospital knows: a list of (service, image, pid, role, ports)."""
    draws = _draws(hospital, "programs")
    pids = draws.sample(range(1200, 4200, 4), 4).tolist()
    names = _shuffled(draws, ("HVPrint", "HVSync", "HVAdmin", "HVUpdate"))
    ports = [6000 + 10 * number + draws.one(0, 9) for number in _shuffled(draws, range(0, 300, 60))[:3]]
    images = {"HVPrint": "printq.exe", "HVSync": "hvsync.exe", "HVAdmin": "javaw.exe", "HVUpdate": "updater.exe"}
    roles = ("all addresses", "one address", "loopback", "client")
    return [(name, images[name], pid, role, port) for name, pid, role, port in zip(names, pids, roles, [*ports, None])]


@lesson.input
def tasklist(hospital):
    """What `tasklist /svc` prints on WS_ED1."""
    head, rows = _table_of(hospital.servers.transcripts["ws_ed1 tasklist.txt"])
    rows += [f"{image:<25} {pid:>8} {name}" for name, image, pid, *_ in _programs(hospital)]
    rows += [f"{'System':<25} {4:>8} N/A", f"{'lsass.exe':<25} {724:>8} KeyIso, SamSs", f"{'explorer.exe':<25} {4788:>8} N/A"]
    return "\n".join([*head, *sorted(rows, key=lambda row: int(row[26:34]))]) + "\n"


@lesson.input
def netstat(hospital):
    """What `netstat -ano -p tcp` prints on WS_ED1."""
    head, rows = _table_of(hospital.servers.transcripts["ws_ed1 netstat.txt"])
    draws = _draws(hospital, "connections")
    pids = {role: pid for _, _, pid, role, _ in _programs(hospital)}
    ephemeral = draws.sample(range(49800, 60000), 4).tolist()
    for _, _, pid, role, port in _programs(hospital):
        address = {"all addresses": "0.0.0.0", "one address": STATION, "loopback": "127.0.0.1"}.get(role)
        if address:
            rows.append(_connection(f"{address}:{port}", "0.0.0.0:0", "LISTENING", pid))
    rows += [
        _connection(f"{STATION}:104", f"10.20.10.10:{ephemeral[0]}", "ESTABLISHED", 4312),
        _connection(f"{STATION}:{ephemeral[1]}", "10.20.10.10:11112", "ESTABLISHED", pids["loopback"]),
        _connection(f"{STATION}:{ephemeral[2]}", "10.20.50.10:443", "ESTABLISHED", pids["client"]),
        _connection(f"{STATION}:{ephemeral[3]}", "10.20.20.10:445", "ESTABLISHED", 4),
        _connection("0.0.0.0:445", "0.0.0.0:0", "LISTENING", 4),
    ]
    rows.sort(key=lambda row: ("LISTENING" not in row, row.split()[1] if "LISTENING" not in row else "", int(row.split()[1].split(":")[1])))
    return "\n".join([*(line.replace("-ano", "-ano -p tcp") for line in head), *rows]) + "\n"


def _table_of(transcript):
    """The lines of a transcript up to its table, and the rows of the table."""
    lines = _lines(transcript).rstrip("\n").split("\n")
    first = next(place for place, line in enumerate(lines) if line.startswith(("====", "  Proto"))) + 1
    return lines[:first], lines[first:]


def _connection(local, foreign, state, pid):
    return f"  TCP    {local:<22} {foreign:<22} {state:<15} {pid}"


def _hv_rows(netstat, tasklist):
    """The rows of netstat that belong to an HV service: (service, image, pid, address, port, foreign port, state)."""
    owner = {}
    for line in tasklist.splitlines():
        if re.search(r"\d HV", line):
            image, pid, name = line.split()
            owner[pid] = name, image
    found = []
    for line in netstat.splitlines():
        words = line.split()
        if words[:1] == ["TCP"] and words[4] in owner:
            address, port = words[1].split(":")
            found.append((*owner[words[4]], int(words[4]), address, int(port), int(words[2].split(":")[1]), words[3]))
    return found


@lesson.input
def settings(hospital):
    """How the service HVReceive is set up, and what the person who is logged in has mapped."""
    texts = hospital.servers.transcripts
    return "\n".join(_lines(texts[name]) for name in ("ws_ed1 sc.txt", "ws_ed1 net_use.txt"))


@lesson.input
def events(hospital):
    """The event log of WS_ED1 of Friday 4 April 2025, exported as XML."""
    draws = _draws(hospital, "events")

    def second(first, last):
        return datetime.datetime(2025, 4, 4, 0, 0) + datetime.timedelta(seconds=draws.one(*(60 * minute for minute in (first, last))))

    def event(provider, number, level, when, said):
        return (f'  <Event>\n    <System><Provider Name="{provider}"/><EventID>{number}</EventID><Level>{level}</Level>\n'
                f'      <TimeCreated SystemTime="{when:%Y-%m-%dT%H:%M:%S}Z"/></System>\n'
                f"    <EventData><Data>{said}</Data></EventData>\n  </Event>\n")

    restart, installed = second(65, 95), second(620, 650)
    moment, scm = datetime.timedelta(seconds=1), "Service Control Manager"
    listening = "listening on port 104; configuration C:\\HVPACS\\conf\\receive.ini read"
    before = [
        ("User32", 1074, 4, restart, "restart initiated by NT AUTHORITY\\SYSTEM: operating system, planned"),
        ("EventLog", 6005, 4, restart + 55 * moment, "The Event log service was started"),
        (scm, 7045, 4, installed, "A service was installed in the system: HVReceive, auto start, LocalSystem"),
        (scm, 7036, 4, installed + 21 * moment, "The HVReceive service entered the running state"),
        ("HVReceive", 1001, 4, installed + 22 * moment, listening),
        ("HVReceive", 1004, 4, second(651, 655), "C-ECHO from HV_PACS answered: success"),
        ("HVViewer", 2003, 4, second(656, 660), "user ed.station: 2 key images saved to H:\\export"),
        ("HVReceive", 1005, 4, datetime.datetime(2025, 4, 4, 11, 2, 8), "association from HV_PACS accepted, C-STORE begins"),
    ]
    restarted = datetime.datetime(2025, 4, 4, 11, 3, 11) + moment * draws.one(0, 9)
    after = [
        (scm, 7036, 4, restarted, "The HVReceive service entered the running state"),
        ("HVReceive", 1001, 4, restarted + moment, listening),
        ("HVViewer", 2003, 4, second(670, 700), "user ed.station: 1 key image saved to H:\\export"),
    ]
    known = _lines(hospital.servers.transcripts["ws_ed1 events.xml"])
    core = known.removeprefix("<Events>\n").removesuffix("</Events>\n")
    return "<Events>\n" + "".join(event(*one) for one in before) + core + "".join(event(*one) for one in after) + "</Events>\n"


def _told(events):
    """(id, time in UTC, text) of each event."""
    form = r"<EventID>(\d+)</EventID>.*?SystemTime=\"([^\"]+)Z\".*?<Data>(.*?)</Data>"
    return [(int(number), datetime.datetime.fromisoformat(when), said) for number, when, said in re.findall(form, events, re.DOTALL)]


def _event_time(events, number, hours):
    told = events if isinstance(events, list) else _told(events)
    when = next(when for one, when, _ in told if one == number)
    return f"{when + datetime.timedelta(hours=hours):%H:%M:%S}"


@lesson.input
def file_server(hospital):
    """What the file server hv-file says of the share, its folder and the groups in their permissions."""
    draws = _draws(hospital, "file server")
    drive, folder = ("D", "E", "F")[draws.one(0, 2)], ("Storage", "Data", "Volumes")[draws.one(0, 2)]
    both, share_only, folder_only = _shuffled(draws, ("svc_dicom", "svc_import", "svc_nightly"))
    place = f"{drive}:\\{folder}\\scans"
    services = sorted((both, share_only))
    incoming = f"{place}\\incoming"
    entries = _shuffled(draws, [
        f"HVGH\\{both}:(OI)(CI)(M)", f"HVGH\\{folder_only}:(OI)(CI)(M)", "HVGH\\Imaging Stations:(OI)(CI)(M)",
        "HVGH\\Imaging Services:(OI)(CI)(RX)", "HVGH\\Domain Users:(OI)(CI)(RX)"])
    entries += ["BUILTIN\\Administrators:(OI)(CI)(F)", "NT AUTHORITY\\SYSTEM:(OI)(CI)(F)"]
    acl = ("\n" + " " * (len(incoming) + 1)).join(entries)
    line = "-" * 79
    return f"""C:\\>net share images
Share name        images
Path              {place}
Remark
Maximum users     No limit
Users
Caching           Manual caching of documents
Permission        HVGH\\Imaging Services, CHANGE
                  HVGH\\Imaging Stations, CHANGE
                  HVGH\\Domain Users, READ

The command completed successfully.

C:\\>icacls {incoming}
{incoming} {acl}

Successfully processed 1 files; Failed processing 0 files

C:\\>net group "Imaging Services" /domain
Group name     Imaging Services
Members
{line}
{services[0]:<25}{services[1]}
The command completed successfully.

C:\\>net group "Imaging Stations" /domain
Group name     Imaging Stations
Members
{line}
WS-CH1$                  WS-ED1$                  WS-MG1$
The command completed successfully.
"""


def _share_path(file_server):
    return re.search(r"^Path +(\S+)$", file_server, re.MULTILINE)[1]


def _service_members(file_server):
    return re.search(r"Group name     Imaging Services\nMembers\n-+\n(.+)", file_server)[1].split()


def _folder_members(file_server):
    return re.findall(r"HVGH\\(svc_\w+):\(OI\)\(CI\)\(M\)", file_server)


@lesson.input
def registry(hospital):
    """The two keys of HVReceive in the registry of WS_ED1, as regedit exported them."""
    draws = _draws(hospital, "registry")
    known = _lines(hospital.servers.transcripts["receive.reg"]).rstrip("\n")
    folders = _shuffled(draws, ("receive", "scp", "intake", "store"))
    return (f'{known}\n"LogFolder"="%HVLOG%\\\\{folders[0]}"\n\n'
            "[HKEY_LOCAL_MACHINE\\SOFTWARE\\WOW6432Node\\HVPACS\\Receive]\n"
            '"AETitle"="WS_ED1"\n"Port"=dword:00000068\n"Store"="H:\\\\incoming"\n'
            f'"LogFolder"="%HVLOG%\\\\{folders[1]}"\n')


@lesson.input
def variables(hospital):
    """Where the variable HVLOG is set on WS_ED1: for the system, and for the user ed.station."""
    draws = _draws(hospital, "variables")
    drive, folder = ("D", "E")[draws.one(0, 1)], ("HVLogs", "Logs", "Journal")[draws.one(0, 2)]
    system = "HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment"
    return (f'C:\\>reg query "{system.replace("HKEY_LOCAL_MACHINE", "HKLM")}" /v HVLOG\n\n{system}\n'
            f"    HVLOG    REG_SZ    {drive}:\\{folder}\n\n"
            "C:\\>reg query HKCU\\Environment /v HVLOG\n\nHKEY_CURRENT_USER\\Environment\n"
            "    HVLOG    REG_SZ    C:\\Users\\ed.station\\hvlog\n")


@lesson.input
def task_manager(hospital):
    """Three columns of the page Details of the Task Manager of WS_ED1."""
    pid = hospital.servers.truth["stopped_service"]["pid"]
    return (f"{'Name':<16}{'PID':>6}  {'User name':<12}Platform\n{'hvreceive.exe':<16}{pid:>6}  {'SYSTEM':<12}32 bit\n"
            f"{'viewer.exe':<16}{5120:>6}  {'ed.station':<12}64 bit\n")


def _log_folder(registry, variables, wow, user):
    """LogFolder of one of the two keys, with HVLOG of the user or the system put in."""
    values = re.findall(r'"LogFolder"="%HVLOG%\\\\(\w+)"', registry)
    places = re.findall(r"REG_SZ    (\S+)", variables)
    return f"{places[user]}\\{values[wow]}"


@lesson.input
def config_bytes(hospital):
    """receive.ini of WS_ED1 as three people saved it: a dict from the file's name to its bytes."""
    draws = _draws(hospital, "configuration")
    room = ("R\u00f6ntgen", "Gyn\u00e9cologie", "Sk\u00f6vde")[draws.one(0, 2)]
    text = f"[receive]\r\naetitle = WS_ED1\r\nport = 104\r\nname = {room} {draws.one(1, 9)}\r\n"
    return {
        "receive.ini": text.encode("utf-8"),
        "receive - Copy.ini": text.encode("utf-8-sig"),
        "receive (2).ini": b"\xff\xfe" + text.encode("utf-16-le"),
    }


@lesson.input
def long_path(hospital):
    """A file that an old program is to read, by its long path."""
    return _names(hospital)[0]


@lesson.input
def listings(hospital):
    """What `dir /x` prints of the folders on the way to that file."""
    return _names(hospital)[1]


def _names(hospital):
    """The long path and the listings of its folders."""
    draws = _draws(hospital, "short names")
    levels, words = [], (("Import archive", "Import backup", "Import queue", "Import rejects"),
                         ("Eastcliff Clinic", "Eastcliff dental", "Eastcliff Labs"))
    for place, names in enumerate(words):
        order = _shuffled(draws, names)
        shorts = {name: f"{name.replace(' ', '').upper()[:6]}~{number}" for number, name in enumerate(order, 1)}
        wanted = order[draws.one(1, len(order) - 1)]
        levels.append((wanted, [(shorts[name], name) for name in sorted(names, key=str.casefold)]))
    levels[0][1].append(("", "jobs"))
    burned = ("CD0412", "CD0398", "CD0277")[draws.one(0, 2)]
    levels.append((burned, [("", name) for name in ("CD0277", "CD0398", "CD0412")]))
    path, parts = r"C:\HVPACS", []
    for wanted, entries in levels:
        rows = [f"{draws.one(1, 28):02d}-03-2025  {draws.one(8, 17):02d}:{draws.one(0, 59):02d}    <DIR>          {short:<12} {name}"
                for short, name in entries]
        parts.append(f'C:\\>dir /x "{path}"\n\n Directory of {path}\n\n' + "\n".join(rows) + "\n")
        path += f"\\{wanted}"
    return path + r"\DICOMDIR", "\n".join(parts)


def _shorts(listings):
    """{long name: short name} of all folders in the listings; a name that is short already stands for itself."""
    found = re.findall(r"<DIR>          (.{12}) (.+)", listings)
    return {name: short.strip() or name for short, name in found}


def _path_with(long_path, name_of):
    drive, *parts = long_path.split("\\")
    return "\\".join([drive, *(name_of(part) for part in parts)])


@lesson.input
def nightly(hospital):
    """nightly.bat, which sends in the night what lies in the folder."""
    return _lines(hospital.servers.transcripts["nightly.bat"])


@lesson.input
def nights(hospital):
    """Three nights of evening.bat: a list of (night, exit code of net use, exit codes of send.exe in turn)."""
    draws = _draws(hospital, "nights")

    def codes(files, failed):
        bad = set(draws.sample(range(1, files - 1), failed).tolist())       # neither the first nor the last
        return [draws.one(1, 3) if place in bad else 0 for place in range(files)]

    # The second night has as many files as no other, so that each idea of what is counted gives another number.
    one, two, three = codes(draws.one(6, 8), 2), codes(draws.one(9, 11), draws.one(3, 4)), codes(draws.one(6, 8), 1)
    one[-1] = draws.one(1, 3)
    return [("2 April", 0, one), ("3 April", 2, two), ("4 April", 0, three)]


# ---- batch files, carried out by a small part of cmd

class Stops(Exception):
    """cmd would stop here with a message; the text is a phrase for why."""


class NotKnown(Exception):
    """Something that cmd knows and the rehearsal does not; the text is what."""


class _Leave(Exception):
    """The end of a batch file or of a part that was called."""


class _Goto(Exception):
    """On to a label."""


STORE = r"\\hv-file\images\incoming"
FAILED = "c:\\hvpacs\\jobs\\failed.txt"
FOLDERS = ("c:", "c:\\temp", "c:\\windows", "c:\\windows\\system32", "c:\\hvpacs", "c:\\hvpacs\\bin", "c:\\hvpacs\\conf",
           "c:\\hvpacs\\jobs")
PROGRAMS = ("c:\\hvpacs\\bin\\send.exe", "c:\\hvpacs\\jobs\\nightly.bat")
EARLIER = "failed in an earlier night"          # stands in failed.txt before the batch file starts
BATCH_FOLDER = "C:\\HVPACS\\jobs\\"
KNOWN = ("echo, set, set /a, if (errorlevel, exist, defined, comparisons, else), for over files, call :label, goto, exit, setlocal, "
         "endlocal, cd, pushd, popd, del, net use, rem, send.exe, &, && and ||")
STEPS = 5_000
READ_EARLY = "`%ERRORLEVEL%` inside the parentheses was replaced by its value when the block was read"
LONGEST_LINE = 8191         # characters, as in cmd


class Rehearsal:
    """A batch file carried out on files that do not exist, by a small part of cmd.exe that keeps cmd's order of things.

    text   : the batch file
    files  : dict from the name of each file in the store to the exit code of send.exe for it
    drives : dict from mapped drive letters, as "H:", to their UNC paths
    before : the error level when the batch file starts
    left   : dict of variables that are set already when it starts

    Then `sent` holds the names of the files sent, `tried` those that send.exe was called with, `outputs` what was written into which
    file, `printed` the lines on the screen, `searched` the folders in which `for` looked, `notes` what cmd complained of without
    stopping, `spoilt` the names of the files in the store that were deleted or written into.
    """

    def __init__(self, text, files, drives=None, before=0, left=None):
        self.lines = re.sub(r"(?<!\^)\^\n", "", text.replace("\r\n", "\n")).split("\n")      # a caret at its end joins a line to the next
        self.files = {_canonical(f"{STORE}\\{name}"): (name, code) for name, code in files.items()}
        self.drives, self.level = dict(drives or {}), before
        self.env, self.delayed, self.saved = dict(left or {}), False, []
        self.searched, self.notes, self.called, self.spoilt = [], [], [], []
        self.read_early = False             # whether `%ERRORLEVEL%` stood inside parentheses
        self.taken_back = set()             # variables that `endlocal` has put back to what they were
        self.folders = ["C:\\Windows\\System32"]
        self.sent, self.tried, self.outputs, self.printed, self.steps = [], [], {FAILED: [EARLIER]}, [], 0
        self.arguments, self.all_arguments, self.goes_to = [BATCH_FOLDER + "nightly.bat"], "", None
        try:
            self._run(0)
        except _Leave:                      # `exit` in whatever depth ends it all
            pass
        except RecursionError:
            raise Stops("it calls itself without end, or is nested too deeply") from None

    # -- reading: a line, or a whole block in parentheses, is read at once, and %...% is replaced while it is read

    def _run(self, at):
        self.at = at
        while self.at < len(self.lines):
            self.steps += 1
            if self.steps > STEPS:
                raise Stops("it does not come to an end")
            line = self.lines[self.at]
            self.at += 1
            if line.strip().startswith(":"):
                continue
            self.text, self.pos = self._percent(line), 0
            self._blanks()
            if self.pos >= len(self.text):
                continue
            if self._peek() == ")":
                raise Stops("a `)` stands where no `(` is open")
            tree = self._chain(False)
            self._blanks()
            if self.pos < len(self.text):
                raise Stops(f"`{self.text[self.pos:][:20]}` was unexpected at this time")
            try:
                self._carry_out(tree, {})
            except _Leave as leave:
                if leave.args[0]:
                    raise
                return
            except _Goto as goto:
                self.at = self._label(goto.args[0])

    def _label(self, name):
        for place, line in enumerate(self.lines):
            if line.strip().casefold().split() == [f":{name}"]:
                return place + 1
        raise Stops(f"there is no label :{name}")

    def _percent(self, line):
        done, at = [], 0
        while at < len(line):
            rest = line[at:]
            argument = re.match(r"%(\d)|%~([a-z]*)(\d)", rest, re.IGNORECASE)
            name = re.match(r"%([^%:]+)%", rest)
            if rest.startswith("%%"):
                done.append("%")
                at += 2
            elif rest.startswith("%*"):
                done.append(self.all_arguments)
                at += 2
            elif re.match(r"%\w+:[^%]*=[^%]*%|%\w+:~[^%]*%", rest):
                raise NotKnown(f"`{rest[:rest.index('%', 1) + 1][:30]}`")
            elif argument:
                number = int(argument[1] or argument[3])
                value = self.arguments[number] if number < len(self.arguments) else ""
                done.append(value if argument[1] else _part(value, argument[2]))
                at += argument.end()
            elif name:
                done.append(self._value(name[1]))
                at += name.end()
            elif line[at] == "%":
                at += 1
            else:
                done.append(line[at])
                at += 1
        return _no_longer_than_cmd_takes("".join(done))

    def _value(self, name):
        name = name.upper()
        if name in self.taken_back:
            self._note(f"`endlocal` has put {name[:30]} back to what it was before `setlocal`, before it was used here")
        built_in = {"ERRORLEVEL": str(self.level), "CD": self.folders[-1], "USERNAME": "WS-ED1$", "COMPUTERNAME": "WS-ED1",
                    "DATE": "05-04-2025", "TIME": "02:00:00,00"}
        return self.env.get(name, built_in.get(name, ""))

    def _peek(self):
        return self.text[self.pos : self.pos + 1]

    def _blanks(self, also=""):
        while self._peek() and self._peek() in " \t;,=" + also:
            self.pos += 1

    def _word(self):
        """The next word, quotes and all; it ends at a blank, at `==` and at a parenthesis."""
        self._blanks()
        start, quoted = self.pos, False
        while self._peek() and (quoted or self._peek() not in " \t\n()&|" and self.text[self.pos : self.pos + 2] != "=="):
            quoted ^= self._peek() == '"'
            self.pos += 1
        return self.text[start : self.pos]

    def _next_is(self, word):
        return re.match(rf"{word}(?![\w.\\:])", self.text[self.pos :], re.IGNORECASE) is not None

    def _take(self, word):
        self._blanks()
        if not self._next_is(word):
            found = self._word() or self._peek() or "the end of the line"
            raise Stops(f"`{found[:20]}` was unexpected at this time, where `{word}` belongs")
        self.pos += len(word)

    def _chain(self, inside):
        """Commands joined by &, && and ||."""
        found = [("&", self._command(inside))]
        while True:
            self._blanks()
            sign = next((one for one in ("&&", "||", "&") if self.text.startswith(one, self.pos)), None)
            if sign is None:
                if self._peek() == "|":
                    raise NotKnown("a pipe `|`")
                return found
            self.pos += len(sign)
            self._blanks()
            if sign == "&" and self._peek() in ("", "\n"):
                return found
            found.append((sign, self._command(inside)))

    def _command(self, inside):
        self._blanks("@")
        if self._peek() == "(":
            self.pos += 1
            block = self._block()
            self._blanks()
            if self._peek() in (">", "<"):
                raise NotKnown("a redirection behind a block")
            return block
        if self._next_is("rem"):
            end = self.text.find("\n", self.pos)
            self.pos = len(self.text) if end < 0 else end
            return ("simple", "rem", [])
        if self._next_is("else"):
            raise Stops("`else` begins a line, where it is taken for a program; it belongs behind the `)`, on the same line")
        if self._next_is("if"):
            self.pos += 2
            return self._if(inside)
        if self._next_is("for"):
            self.pos += 3
            return self._for(inside)
        return self._simple(inside)

    def _block(self):
        found = []
        while True:
            self._blanks("\n")
            if self.pos >= len(self.text):
                if self.at >= len(self.lines):
                    raise Stops("a `(` is never closed")
                line = self.lines[self.at]
                self.read_early |= re.search(r"(?<!%)%ERRORLEVEL%", line, re.IGNORECASE) is not None
                self.text += "\n" + self._percent(line)
                self.at += 1
            elif self._peek() == ")":
                self.pos += 1
                return ("block", found)
            elif self._peek() == ":":
                raise NotKnown("a label or a `::` remark inside parentheses")
            else:
                found.append(self._chain(True))

    def _if(self, inside):
        flags = set()
        self._blanks()
        while self._next_is("not") or self._next_is("/i"):
            flags.add(self._word().casefold())
            self._blanks()
        word = self._word()
        if word.casefold() in ("errorlevel", "exist", "defined"):
            test = (word.casefold(), self._word())
        else:
            while self._peek() in (" ", "\t"):
                self.pos += 1
            if self.text.startswith("==", self.pos):
                self.pos += 2
                test = ("==", word, self._word())
            else:
                sign = self._word().upper()
                if sign not in ("EQU", "NEQ", "LSS", "LEQ", "GTR", "GEQ"):
                    raise Stops(f"`{sign or word}` was unexpected at this time")
                test = (sign, word, self._word())
        if not test[-1]:
            raise Stops("a comparison with nothing at its right")
        self._blanks()
        if self._peek() in ("", "\n", ")"):
            raise Stops("an `if` without a command")
        then, other = self._chain(inside), None
        self._blanks()
        if self._next_is("else"):
            self.pos += 4
            other = self._chain(inside)
        return ("if", flags, test, then, other)

    def _for(self, inside):
        self._blanks()
        if self._peek() == "/":
            raise NotKnown(f"for {self._word()}")
        variable = self._word()
        if not re.fullmatch(r"%[A-Za-z]", variable):
            raise Stops("`for` finds no variable: in a batch file it is written with two percent signs, as %%f")
        self._take("in")
        self._blanks()
        if self._peek() != "(":
            raise Stops("`for` expects its files in parentheses")
        end = self.text.find(")", self.pos)
        if end < 0:
            raise Stops("the parenthesis behind `in` is not closed")
        among = self.text[self.pos + 1 : end]
        self.pos = end + 1
        self._take("do")
        return ("for", variable[1], among, self._chain(inside))

    def _simple(self, inside):
        said, redirections, quoted = [], [], False
        while self._peek() and self._peek() != "\n" and (quoted or self._peek() not in "&|" and not (inside and self._peek() == ")")):
            letter = self._peek()
            if letter == "^" and not quoted:
                said.append(self.text[self.pos + 1 : self.pos + 2])
                self.pos += 2
            elif letter in "<>" and not quoted:
                handle = said.pop() if letter == ">" and said and said[-1] in "12" and "".join(said[:-1])[-1:] in ("", " ") else "1"
                sign = re.match(r"[<>]+", self.text[self.pos :])[0]
                self.pos += len(sign)
                if self._peek() == "&":
                    target = self.text[self.pos : self.pos + 2]
                    self.pos += 2
                else:
                    target = self._word()
                if not target:
                    raise Stops(f"nothing stands behind `{sign}`")
                redirections.append((handle, sign, target))
            else:
                quoted ^= letter == '"'
                said.append(letter)
                self.pos += 1
        return ("simple", "".join(said), redirections)

    # -- carrying out

    def _carry_out(self, tree, loop):
        """Carry out a chain; whether its last command succeeded.

        && binds more closely than ||, and || more closely than &: of `a || b && c` cmd leaves out both b and c where a succeeded.
        """
        succeeded, left_out = True, False
        for sign, command in tree:
            if sign != "&&":
                left_out = sign == "||" and succeeded
            if not left_out and (sign == "&" or (sign == "&&") == succeeded):
                succeeded = self._one(command, loop)
        return succeeded

    def _one(self, command, loop):
        self.steps += 1
        if self.steps > STEPS:
            raise Stops("it does not come to an end")
        kind, *rest = command
        if kind == "block":
            succeeded = True
            for tree in rest[0]:
                succeeded = self._carry_out(tree, loop)
            return succeeded
        if kind == "if":
            flags, test, then, other = rest
            chosen = then if self._holds(flags, test, loop) else other
            return True if chosen is None else self._carry_out(chosen, loop)
        if kind == "for":
            variable, among, body = rest
            succeeded = True
            for value in self._matches(self._filled(among, loop)):
                succeeded = self._carry_out(body, {**loop, variable: value})
            return succeeded
        text, redirections = rest
        return self._simple_command(self._filled(text, loop), [(h, s, self._filled(t, loop)) for h, s, t in redirections])

    def _filled(self, text, loop):
        """With the variables of `for` put in, then, where it was switched on, what stands between exclamation marks."""
        def loop_value(found):
            modifiers, name = (found[1] or "")[1:], found[2]
            if name not in loop:
                return found[0]
            return loop[name] if found[1] is None else _part(loop[name], modifiers)

        text = re.sub(r"%(~[fdpnxsatz]*)?([A-Za-z])", loop_value, text)
        waiting = None if self.delayed else re.search(r"!(\w+)!", text)
        if waiting:
            self._note(f"`{waiting[0][:30]}` stays as it is written until `setlocal EnableDelayedExpansion` has been carried out")
        if self.delayed:
            text = re.sub(r"!([^!]+)!", lambda found: self._value(found[1]), text).replace("!", "")
        return _no_longer_than_cmd_takes(text)

    def _note(self, said):
        if said not in self.notes and len(self.notes) < 20:
            self.notes.append(said)

    def _there(self, path):
        """Whether a folder exists."""
        path = self._canonical(path.strip('"'))
        return (_canonical(STORE) + "\\").startswith(path + "\\") or path in FOLDERS

    def _holds(self, flags, test, loop):
        kind, *words = test
        words = [self._filled(word, loop) for word in words]
        if kind == "errorlevel":
            if not re.fullmatch(r"-?\d{1,10}", words[0]):
                raise Stops(f"`{words[0][:20]}` was unexpected at this time, where a number belongs")
            holds = self.level >= int(words[0])
        elif kind == "exist":
            holds = self._exists(words[0].strip('"'))
        elif kind == "defined":
            holds = words[0].upper() in self.env
        else:
            if "/i" in flags:
                words = [word.casefold() for word in words]
            if kind != "==" and all(re.fullmatch(r"-?\d{1,10}", word) for word in words):
                words = [int(word) for word in words]
            left, right = words
            holds = {"==": left == right, "EQU": left == right, "NEQ": left != right, "LSS": left < right, "LEQ": left <= right,
                     "GTR": left > right, "GEQ": left >= right}[kind]
        return holds != ("not" in flags)

    def _exists(self, path):
        """Whether a file or folder exists, or, of a name with wildcards, any that it fits."""
        folder, _, name = path.rpartition("\\")
        if not set("*?") & set(name):
            path = self._canonical(path).rstrip("\\")
            return path in self.files or path in self.outputs or path in PROGRAMS or self._there(path)
        within, form = self._within(folder), _wildcards(name)
        if name in ("*", "*.*"):
            return self._there(within)                      # the folder's own entry `.` fits
        return any(one.rpartition("\\")[0] == within and form.fullmatch(one.rpartition("\\")[2])
                   for one in (*self.files, *self.outputs, *PROGRAMS))

    def _within(self, folder):
        """The folder in which a name without one, or behind this one, is looked for."""
        return self._canonical(folder) if folder else _canonical(self._canonical("x")[:-2])

    def _canonical(self, path):
        drive = path[:2].upper()
        if drive in self.drives:
            path = self.drives[drive] + "\\" + path[2:].lstrip("\\/")
        elif not re.match(r"[A-Za-z]:|[\\/]", path):
            path = f"{self.folders[-1]}\\{path}"
        return _canonical(path)

    def _matches(self, among):
        """The values that `for` goes through."""
        for pattern in re.findall(r'"[^"]*"|[^\s,;=]+', among):
            pattern = pattern.strip('"')
            folder, slash, name = pattern.rpartition("\\")
            if not set("*?") & set(name):
                yield pattern
                continue
            form, within = _wildcards(name), self._within(folder)
            if within not in self.searched:
                self.searched.append(within)
            for path, (real, _) in list(self.files.items()):
                if path.rpartition("\\")[0] == within and form.fullmatch(real):
                    yield folder + slash + real

    def _simple_command(self, text, redirections):
        text = text.lstrip()
        goes_to = self.goes_to = self._opened(redirections)
        is_path = re.match(r'"?[A-Za-z]:|"?[\\.]', text)
        word = re.match(r'"[^"]*"|\S+' if is_path else r'"[^"]*"|[^\s=;,/.:(+\[\]]+', text)
        if word is None:
            return True
        name, rest = word[0].strip('"').casefold(), text[word.end() :]
        if name == "echo":
            self._say(rest[1:] if rest[:1] in (".", ":", "(") else rest.removeprefix(" "), goes_to)
            return True
        typed = re.match(r'"[^"]*"|[^\s=;,]+', text)
        program = typed[0].strip('"').casefold().removesuffix(".exe")
        # cmd looks for a program in the current folder first, then in those of PATH
        tried = [program, *(f"{folder.strip()}\\send" for folder in self.env.get("PATH", "").split(";") if program == "send")]
        if r"c:\hvpacs\bin\send" in map(self._canonical, tried):
            return self._send(text[typed.end():])
        if program == "send":
            self._note("'send.exe' is not recognized as a command: its folder is not among those that are searched")
            self.level = 9009
            return False
        known = getattr(self, f"_do_{name}", None) if re.fullmatch("[a-z]+", name) else None
        if known is None:
            raise NotKnown(f"`{word[0][:30]}`")
        return known(rest.lstrip() if name == "set" else rest.strip()) is not False      # what is set keeps the blanks behind it

    def _opened(self, redirections):
        """Open what is written into, which `>` empties whatever is printed; where standard output goes, None for the screen."""
        goes_to = None
        for handle, sign, target in redirections:
            if ">" in sign and not target.startswith("&"):
                path = target.strip('"').casefold()
                if path != "nul":
                    path = self._canonical(path)
                    self.outputs[path] = self.outputs.get(path, []) if sign == ">>" else []
                    self._spoil(lambda one: one == path)
                goes_to = path if handle == "1" else goes_to
        return goes_to

    def _spoil(self, which):
        self.spoilt += [name for path, (name, _) in self.files.items() if which(path) and name not in self.spoilt]

    def _say(self, text, goes_to):
        if goes_to:
            if goes_to != "nul":
                self.outputs[goes_to].append(text)
            return
        if text.strip().casefold() not in ("off", "on"):
            self.printed.append(text)

    def _send(self, rest):
        arguments = [one.strip('"') for one in re.findall(r'"[^"]*"|\S+', rest)]
        self.level = 2
        self.called.append(rest.strip()[:80])
        if len(arguments) == 1:
            name, self.level = self.files.get(self._canonical(arguments[0]), (None, 3))
            if name:
                self.tried.append(name)
            if self.level == 0:
                self.sent.append(name)
        return self.level == 0

    def _do_set(self, rest):
        if rest[:2].casefold() == "/a":
            for part in rest[2:].strip().strip('"').split(","):
                found = re.fullmatch(r"\s*(\w+)\s*([-+]?)=\s*(.*)", part)
                if not found:
                    raise NotKnown(f"`set /a {part.strip()[:30]}`")
                value = self._sum(found[3])
                if found[2]:
                    value = self._number(found[1]) + (value if found[2] == "+" else -value)
                self._set(found[1], str(value))
            return
        found = re.fullmatch(r'"(.*)"\s*', rest)
        name, sign, value = (found[1] if found else rest).partition("=")
        if not sign or rest[:1] == "/":
            raise NotKnown(f"`set {rest[:30]}`")
        if name.endswith((" ", "\t")):
            self._note(f"the blank in front of `=` belongs to the name: `set` has made a variable `{name[:30]}`, not `{name.strip()[:30]}`")
        if re.fullmatch(r"\w+\s*\+\s*\d+", value):
            self._note(f"`set` without `/a` does not calculate: {name.strip()[:30]} now holds the text `{value[:30]}`")
        if name.strip().upper() == "ERRORLEVEL":
            self._note(f"`set {name.strip()[:30]}=` makes a variable of that name, which hides the real error level from then on")
        self._set(name.lstrip(), value)

    def _set(self, name, value):
        self.env[name.upper()] = value
        self.taken_back.discard(name.upper())
        if not value:
            del self.env[name.upper()]

    def _number(self, name):
        value = self._value(name).strip()
        return int(value) if re.fullmatch(r"-?\d{1,10}", value) else 0

    def _sum(self, text):
        if not re.fullmatch(r"[\w+\-\s]+", text, re.ASCII) or re.search(r"\d{11}", text):
            raise NotKnown(f"`{text[:30]}` in set /a")
        value, sign = 0, 1
        for part in re.findall(r"\w+|[+-]", text):
            if part in "+-":
                sign = -1 if part == "-" else 1
            else:
                value += sign * (int(part) if part.isdigit() else self._number(part))
                sign = 1
        return value

    def _do_net(self, rest):
        words = rest.split()
        share = _canonical(STORE).rpartition("\\")[0]
        if len(words) < 3 or words[0].casefold() != "use" or not re.fullmatch("[A-Za-z]:", words[1]):
            raise NotKnown(f"`net {rest[:30]}`")
        drive, said = words[1].upper(), "The command completed successfully."
        if words[2].casefold() in ("/delete", "/d"):
            self.level, said = 0 if self.drives.pop(drive, None) else 2, f"{drive} was deleted successfully."
        elif drive in self.drives:
            self.level = 2
        elif not (_canonical(words[2].strip('"')) + "\\").startswith(share + "\\"):
            self.level = 2
            self._note(f"`net use` ended with 2 and mapped nothing: no share is found at `{words[2][:40]}`")
        else:
            self.drives[drive], self.level = words[2].strip('"').rstrip("\\"), 0
        if self.level == 0:
            self._say(said, self.goes_to)
        return self.level == 0

    def _do_setlocal(self, rest):
        self.saved.append((dict(self.env), self.delayed))
        words = rest.casefold().split()
        if "enabledelayedexpansion" in words:
            self.delayed = True
        if "disabledelayedexpansion" in words:
            self.delayed = False
        if words:
            self.level = 0

    def _do_endlocal(self, rest):
        if self.saved:
            after = self.env
            self.env, self.delayed = self.saved.pop()
            self.taken_back |= {name for name in {*after, *self.env} if after.get(name) != self.env.get(name)}

    def _do_pushd(self, rest):
        path = rest.strip('"').rstrip("\\")
        if not self._there(path):
            self._note("The system cannot find the path specified")
            self.level = 1
            return False
        self.folders.append(self.drives.get(path[:2].upper(), path[:2]) + path[2:])
        return True

    def _do_cd(self, rest):
        other_drive = re.match(r"/d\s", rest, re.IGNORECASE)
        path = re.sub(r"^/d\s+", "", rest, flags=re.IGNORECASE).strip().strip('"')
        if not path:
            self._say(self.folders[-1], self.goes_to)
            return True
        if path.startswith(("\\\\", "//")):
            self._note("CMD does not support UNC paths as current directories: `cd` has changed nothing. `pushd` takes a UNC path")
        elif not self._there(path):
            self._note("The system cannot find the path specified")
        else:
            if other_drive or path[1:2] != ":" or path[:2].upper() == "C:":
                self.folders[-1] = self._canonical(path.rstrip("\\") or path)
            else:
                self._note("`cd` without `/d` does not change to another drive")
            return True
        self.level = 1
        return False

    _do_chdir = _do_cd

    def _do_popd(self, rest):
        if len(self.folders) > 1:
            self.folders.pop()

    def _do_del(self, rest):
        for path in re.findall(r'"[^"]*"|\S+', rest):
            if path.startswith("/"):
                continue
            path = self._canonical(path.strip('"'))
            pattern = f"{path}\\*" if self._there(path) else path                # of a folder, all the files in it
            form = re.compile(re.escape(pattern.replace("*.*", "*")).replace(r"\*", r"[^\\]*").replace(r"\?", r"[^\\]"))
            self._spoil(form.fullmatch)
            self.files = {one: file for one, file in self.files.items() if not form.fullmatch(one)}
            self.outputs = {one: lines for one, lines in self.outputs.items() if not form.fullmatch(one)}

    def _do_call(self, rest):
        words = re.findall(r'"[^"]*"|\S+', rest)
        if not words or not words[0].startswith(":"):
            found = re.match(r'"?C:\\HVPACS\\bin\\send(\.exe)?"?(?=\s)', rest, re.IGNORECASE)
            if not found:
                raise NotKnown(f"`call {rest[:30]}`")
            return self._send(rest[found.end() :])
        if words[0].casefold() == ":eof":
            return True
        state = self.at, self.arguments, self.all_arguments, self.text, self.pos
        self.arguments, self.all_arguments = [state[1][0], *words[1:]], rest.removeprefix(words[0]).strip()
        self._run(self._label(words[0][1:].casefold()))
        self.at, self.arguments, self.all_arguments, self.text, self.pos = state
        return self.level == 0

    def _do_goto(self, rest):
        label = rest.removeprefix(":").strip().casefold()
        raise _Leave(False) if label == "eof" else _Goto(label)

    def _do_exit(self, rest):
        number = re.search(r"-?\d{1,10}", rest)
        if number:
            self.level = int(number[0])
        raise _Leave("/b" not in rest.casefold())

    def _nothing(self, rest):
        return True

    _do_rem = _do_cls = _do_title = _do_color = _do_chcp = _nothing


def _no_longer_than_cmd_takes(line):
    if len(line) > LONGEST_LINE:
        raise Stops("a line becomes longer than cmd takes")
    return line


def _wildcards(name):
    """The form of the names that a name with wildcards fits; `*.*` fits all, also those without a dot."""
    return re.compile(re.escape("*" if name == "*.*" else name).replace(r"\*", ".*").replace(r"\?", "."), re.IGNORECASE)


def _canonical(path):
    """A path as it is compared: small letters, backslashes, the server without its domain."""
    path = re.sub(r"(?<!^)\\+", r"\\", path.replace("/", "\\")).casefold().rstrip("\\")
    while re.search(r"\\[^\\]+\\\.\.(?=\\|$)", path):
        path = re.sub(r"\\[^\\]+\\\.\.(?=\\|$)", "", path, count=1)
    server, slash, rest = path.removeprefix("\\\\").partition("\\")
    if not path.startswith("\\\\"):
        return path
    server = server.removesuffix(DOMAIN)
    return "\\\\" + ADDRESSES.get(server, server) + slash + rest


def _part(path, modifiers):
    """The part of a path that %~ with these letters means."""
    path = path.strip('"')
    modifiers = modifiers.casefold()
    if set(modifiers) - set("fdpnx"):
        raise NotKnown(f"%~{modifiers}")
    if not modifiers or "f" in modifiers:
        return path
    folder, slash, name = path.rpartition("\\")
    stem, dot, extension = name.rpartition(".")
    stem, extension = (stem, dot + extension) if dot else (name, "")
    drive, rest = (folder[:2], folder[2:] + slash) if folder[1:2] == ":" else ("", folder + slash)
    return "".join(value for letter, value in (("d", drive), ("p", rest), ("n", stem), ("x", extension)) if letter in modifiers)


# Nights that nobody sees: (files with the exit code of send.exe for each, error level before).
NIGHTS = (
    ({"CT0001.dcm": 0, "CT0002.dcm": 3, "CT head 0003.dcm": 0, "MR0007.DCM": 0, "US0004.dcm": 1, "XA0005.dcm": 0, "notes.txt": 0,
      "list_dcm": 0, "sums.dcx": 0}, 0),
    ({"DX chest pa.dcm": 1, "DX0011.dcm": 0, "MG0012.dcm": 0}, 1),
    ({"CR0021.dcm": 0, "CR hand left.dcm": 0}, 0),
    ({"NM0031.dcm": 2, "NM bone 0032.dcm": 1}, 0),
    ({}, 0),
)
LEFT = "40"                 # what a variable may hold from before


def _stem(name):
    return (name.rpartition(".")[0] or name).casefold()


def rehearsed(text, files, drives=None, before=0, left=None):
    """(names sent, names in failed.txt, what it says was sent, what was added to failed.txt, all that was printed, the Rehearsal)."""
    ran = Rehearsal(text, files, drives, before, left)
    failed = [line for line in ran.outputs.get(FAILED, []) if line != EARLIER]
    named = [name for name in files if any(_stem(name) in line.casefold() for line in failed)]
    sent = [name for name in files if name in ran.sent]
    return sent, named, said_sent(ran.printed[-1] if ran.printed else ""), failed, ran.printed, ran


_NOT_SENT = re.compile(r"fail|\bnot\b|\bun(?:sent|success)|\berr|\bbad\b|reject|refus|problem|\blost\b|missing|\bnicht\b|fehl|\bniet\b|fout")
_SENT = re.compile(r"\bsent\b|\bok(?:ay)?\b|success|archive|\btaken\b|accepted|transferred|transmitted|delivered|\bstored\b|gesendet"
                   r"|verzonden")
_ALL = re.compile(r"\ball\b|total|found|tried|attempt")


def said_sent(line):
    """How many files a line says were sent, or None: 2 in "2 of 5 sent", "5 found, 2 sent" and "sent: 2, failed: 3".

    Of several numbers each belongs to the words of its clause. Dates, times and numbers within a name do not count.
    """
    line = re.sub(r"\S*failed\.txt|\d+(?:[-/.]\d+){2,}|\d+:\d\d(?:[:.,]\d+)*", " ", line.casefold())
    line = re.sub(r"\(s\)|\b(?:without|no)\s+\w+|\bnot\s+fail\w*", " ", line)
    line = re.sub(r"(\d+)\s*(?:/|out of|of|from)\s*(?:the |all )?\d+", r"\1", line)                     # "2 of 5": 2
    sent, other = [], []
    for part in re.split(r"[,;()\[\]|&]|\band\b|\bbut\b|\s-+\s|\.\s|(?<=\d)\s*:", line):
        ways = (re.split(r"(?<=\d)(?=\D+\d)", part), re.split(r"(?<=\D)(?=(?<![\w+-])\d)", part))       # words in front, or behind
        labelled = ways[1] if re.match(r"\W*\d", part) else ways[0]
        for piece in labelled:
            number = re.search(r"(?<![\w+-])\d+", piece)
            if number is None or _NOT_SENT.search(piece):
                continue
            (sent if _SENT.search(piece) else other).append((bool(_ALL.search(piece)), int(number[0][:9])))
    other.sort(key=lambda one: one[0])
    found = sent or other
    return found[0][1] if found else None


def _as_it_should(files):
    """What comes of a night when all is right: (names sent, names in failed.txt, how many it says were sent)."""
    images = [name for name in files if name.casefold().endswith(".dcm")]
    sent = [name for name in images if files[name] == 0]
    return sent, [name for name in images if files[name] != 0], len(sent)


class Outcome(str):
    """What a batch file does in the nights that nobody sees, as text, with the way in which it does it.

    nights   : night by night, (names sent, names in failed.txt, what it says was sent); the last but one with variables left over, the
               last one with the drive letters that the first has left
    last     : night by night, the last line that was printed
    tried    : night by night, the names that send.exe was called with
    twice    : whether a file was sent again that the archive had taken
    ended    : the exit code of a night in which all were sent
    kept     : whether the lines of earlier nights are still in failed.txt
    unnamed  : whether lines were added to failed.txt that name no file
    stray    : what is wrong with the first line in failed.txt beyond one for each file that is named there, as a sentence, or None
    spoilt   : the names of the files in the store that were deleted or written into, night by night
    elsewhere: whether another file was written
    searched : the folders in which `for` looked
    notes    : what cmd complained of
    called   : what stood behind send.exe, call by call
    mapped   : whether it leaves a drive letter mapped
    """


@lru_cache(maxsize=64)
def outcome_of(text):
    """The Outcome of a batch file. Raises Unreadable with a sentence where it can't be carried out."""
    left = {name.upper(): LEFT for name in re.findall(r'\bset\s+(?:/a\s+)?"?(\w+)', text, re.IGNORECASE)[:100]}
    nights, runs, stray, unnamed = [], [], [], False
    for files, before, variables in [*((*night, None) for night in NIGHTS), (*NIGHTS[0], left), (*NIGHTS[2], None)]:
        drives = runs[0].drives if len(runs) > len(NIGHTS) else None
        try:
            sent, named, said, failed, _, ran = rehearsed(text, files, drives, before, variables)
        except Stops as problem:
            raise Unreadable(f"cmd would stop in this batch file: {problem}.") from None
        except NotKnown as unknown:
            raise Unreadable(f"This rehearsal does not know {unknown}. It knows {KNOWN}. Try it with these.") from None
        nights.append((sent, named, said))
        runs.append(ran)
        stems = [_stem(name) for name in files]
        about = [next((stem for stem in stems if stem in line.casefold()), None) for line in failed]
        unnamed = unnamed or None in about
        stray += [_stray(line, stem) for place, (line, stem) in enumerate(zip(failed, about)) if stem is None or stem in about[:place]]
    facts = {
        "kept": all(EARLIER in ran.outputs.get(FAILED, []) for ran in runs),
        "unnamed": unnamed,
        "stray": stray[0] if stray else None,
        "spoilt": [name for ran in runs for name in ran.spoilt],
        "twice": any(len(set(ran.sent)) < len(ran.sent) for ran in runs),
        "elsewhere": any(path != FAILED for ran in runs for path in ran.outputs),
        "searched": list(dict.fromkeys(folder for ran in runs for folder in ran.searched)),
        "notes": list(dict.fromkeys(said for ran in runs for said in ran.notes)),
    }
    called = [said for ran in runs for said in ran.called]
    quoted = any(said.startswith("'") for said in called)
    outcome = Outcome("; ".join(f"sent {sent}, failed.txt {named}, says {said}" for sent, named, said in nights) + f"; {facts}, {quoted}")
    outcome.nights, outcome.called, outcome.mapped = nights, called, any(ran.drives for ran in runs[:-1])
    outcome.last, outcome.tried = [ran.printed[-1] if ran.printed else None for ran in runs], [ran.tried for ran in runs]
    for name, fact in facts.items():
        setattr(outcome, name, fact)
    outcome.ended = runs[2].level
    outcome.notes = outcome.notes + [READ_EARLY] * any(ran.read_early for ran in runs)
    return outcome


def _stray(line, stem):
    """What is wrong with a line of failed.txt that names no file (`stem` is None) or one that has a line already."""
    if stem:
        return "failed.txt has more than one line for the same file. Asked is one for each file that was not sent."
    shown = f": {short(line)}" if line.strip() else ""
    return f"failed.txt has a line that names no file{shown}. Asked is one line for each file that was not sent, and no other."


class Batch(Text):
    """The text of a batch file, judged by what it does when it is carried out."""

    takes = "the text of a batch file"

    def read(self, given):
        """What it does: an Outcome."""
        text = single(plain(given))
        if type(text) is not str:
            raise Unclear(describe(given))
        if len(text) > LONGEST or not text.strip():
            raise Unclear("empty text" if not text.strip() else f"a text of {len(text):,} characters")
        if any(letter in text for letter in "\a\b\f\v\0"):
            raise Unreadable('Python took a backslash and the letter behind it for a code. Write `r"""` in front of the text, with the r.')
        return outcome_of(text)

    def judge(self, exercise, given, editions):
        """As for every text; what works by a drive letter, or ends with a failure in every night, is praised with a remark."""
        verdict = super().judge(exercise, given, editions)
        if not verdict.correct:
            return verdict
        outcome, remarks = self.read(*given), []
        if outcome.mapped:
            remarks.append("A remark: your task maps a letter. It stays mapped until `net use ... /delete` or a restart, and may be in the "
                           "way of the same letter elsewhere: what SYSTEM maps, other sessions can see, too. A UNC path needs no letter.")
        if outcome.ended:
            remarks.append(f"A remark: your batch file ends with {outcome.ended} also in a night in which all were sent, so the Task "
                           "Scheduler shows a failure each time, and soon nobody looks any more.")
        if remarks:
            return Verdict(verdict.outcome, " ".join([verdict.message, *remarks]), verdict.label, verdict.points)
        return verdict

    def difference(self, answer, other):
        """None when both do the same: for the right one in what comes of it, for a wrong one also in the way."""
        if answer == other:
            return None
        right = other.kept and all(night == _as_it_should(files) for night, (files, _) in zip(other.nights, NIGHTS))
        if right and answer.kept and answer.nights == other.nights and answer.stray is None and not (
                answer.spoilt or answer.twice):
            return None
        if answer.spoilt:
            return Difference("Your batch file deletes images, or writes into them. One that was not sent is then lost; and that one was "
                              "sent is no promise that the archive keeps it: that is what storage commitment is for (PS3.4 annex J). "
                              "Leave them where they are.", "spoilt")
        noted = f" Note: {answer.notes[0]}." if answer.notes else ""
        nights = [*NIGHTS, NIGHTS[0], NIGHTS[2]]
        for number, ((sent, named, said), (sendable, failing, count)) in enumerate(zip(answer.nights, other.nights, strict=True)):
            codes = nights[number][0]
            if number > len(NIGHTS) and (sent, named, said) != (sendable, failing, count):
                return Difference("The first night goes well, the next one does not: the letter that your task has mapped is still there, "
                                  f"so `net use` ends with 2, and the rest of your batch file takes that for a failure.{noted}", "mapped")
            if len(sent) < len(sendable) and not sent and not named:
                looked = answer.searched[0] if answer.searched else ""
                where = f" It looked in `{looked[:60]}`, and there is none." if looked and looked != _canonical(STORE) else ""
                where += " SYSTEM has no drive of that letter." if re.match("[abd-z]:", looked) and "net use" not in noted else ""
                where = " That is an administrative share of the server, and denies access to all but its administrators." if re.fullmatch(
                    r"\\\\[^\\]+\\\w+\$.*", looked) else where
                where += " A UNC path begins with two backslashes." if re.match(r"\\[^\\]", looked) else ""
                noted = "" if answer.notes[:1] == [READ_EARLY] else noted
                where = " It never looked for files: `for` was not carried out." if not answer.searched else where
                return Difference(f"No file at all was found or sent.{where}{noted} Run it with `rehearse(...)`.", "nothing")
            if set(sent) > set(sendable):
                return Difference("Something was sent that is no image. Only the files *.dcm are to be sent.", "more")
            if sent != sendable and not sent:
                as_called = f" It was called as `send.exe {answer.called[0]}`." if answer.called else ""
                return Difference(f"Files were found, but send.exe did not get one that it could send.{as_called}{noted}", "not sent")
            images = [name for name in codes if name.casefold().endswith(".dcm")]
            tried = list(dict.fromkeys(answer.tried[number]))
            if sent != sendable and tried and tried == images[:len(tried)] and codes[tried[-1]]:
                return Difference("After the first file that was not sent the others are not even tried: `goto` and `exit` leave the loop "
                                  f"for good. (In a part that was called, `exit /b` only goes back.){noted}", "left")
            if sent != sendable:
                blank = all(" " in name for name in sendable if name not in sent)
                return Difference("Not every file that the archive would have taken was sent."
                                  + (" Those that are missing have a space in their name." if blank else "") + noted, "not sent")
            if set(named) > set(failing):
                return Difference("failed.txt also names files that were sent. Is the exit code of each file looked at when it is there, "
                                  f"and does the comparison mean what it should?{noted}", "too many")
            if named and failing and not set(named) & set(failing):
                return Difference("failed.txt names files that were sent, and none of those that were not: the comparison is the wrong way "
                                  f"round, or the two branches have changed places.{noted}", "turned round")
            if named != failing and answer.unnamed and not named:
                return Difference("Lines are written into failed.txt, but they do not say which file was not sent.", "unnamed")
            if named != failing:
                by_code = {codes[name] for name in failing if name in named}
                if by_code and not by_code & {codes[name] for name in failing if name not in named}:
                    return Difference("failed.txt lacks a file that was not sent: one for which send.exe ended with another number than "
                                      "those that your comparison catches. Every number but 0 means: not sent.", "some codes")
                lies = " Something was written into another file." if answer.elsewhere else ""
                return Difference(f"failed.txt lacks a file that was not sent. Look at when the exit code is read, at `>>`, and at where "
                                  f"failed.txt is to lie.{lies}{noted}", "too few")
            if said != count and number == len(NIGHTS):
                return Difference("When the batch file is started where its variables hold something already, as in a window in which it "
                                  f"ran before, the number in the last line is wrong. Set what you count with at the start.{noted}",
                                  "left over")
            if said != count:
                last = answer.last[number]
                shown = "It prints nothing, so no last line says how many were sent."
                if last is not None:
                    shown = f"In one night the last line is {short(last, 60) if last.strip() else 'empty'}."
                what = "does not say with a number how many were sent" if said is None else (
                    f"says that {said} were sent, and that is not how many were")
                which = "" if last is None else f" It {what}."
                return Difference(f"The files are right. {shown}{which}{noted}", "count")
        if not answer.kept:
            return Difference("What stood in failed.txt from earlier nights is gone. It has to stay until somebody has read it.",
                              "not kept")
        if answer.stray is not None:
            return Difference(answer.stray, "stray")
        if answer.twice:
            return Difference("A file that the archive had taken already was sent once more. Send each file once, and keep its exit code "
                              "for both questions.", "twice")
        return Difference("That is not what was asked.", "value")


@lesson.input
def rehearse(hospital):
    """A function that carries out a batch file in a practice night and prints what came of it."""
    return _practice


PRACTICE = {"CT0101.dcm": 0, "CT0102.dcm": 2, "CT neck 0103.dcm": 0}


def _practice(text, account="SYSTEM"):
    """Carry out a batch file in a practice night, as a scheduled task of SYSTEM or in the session of the user ed.station."""
    drives = {} if account == "SYSTEM" else {"H:": STORE.rpartition("\\")[0]}
    try:
        sent, _, _, failed, printed, ran = rehearsed(text, PRACTICE, drives)
    except Stops as problem:
        print(f"cmd stops: {problem}.")
    except NotKnown as unknown:
        print(f"The rehearsal does not know {unknown}. It knows {KNOWN}.")
    else:
        print(f"As {account}. In the folder: {', '.join(PRACTICE)}")
        print(f"  really sent: {', '.join(sent) or 'nothing'}")
        print(f"  failed.txt:  {'; '.join(failed) or 'nothing new'}")
        print(f"  last line:   {printed[-1] if printed else '(none)'}")
        if EARLIER not in ran.outputs.get(FAILED, []):
            print("  What stood in failed.txt before is gone.")
        if ran.spoilt:
            print(f"  deleted or written into: {', '.join(ran.spoilt)}")
        for note in ran.notes + [READ_EARLY] * ran.read_early:
            print(f"  note: {note}.")


# ---- the exercises

@lesson.exercise
class WhoListens:
    """Which of the hospital's own services (their names begin with `HV`) accept TCP connections **from other machines** on WS_ED1, and
    on which port? Go by what these two commands show, and leave the firewall aside.

    Answer with a table of three columns: `service` (its name as a service), `pid` and `port`; one row per service. A list of rows will do:
    `listening = [("Spooler", 2044, 9100), ...]`.
    """

    answer = Table("listening", key=["service"], reading={"service": service, "port": port})

    def solution(netstat, tasklist):
        services = {}
        for line in tasklist.splitlines():
            if " HV" in line:
                image, pid, name = line.split()
                services[pid] = name
        rows = []
        for line in netstat.splitlines():
            if "LISTENING" in line and "127.0.0.1:" not in line:
                pid = line.split()[4]
                if pid in services:
                    port = line.split()[1].split(":")[1]
                    rows.append({"service": services[pid], "pid": int(pid), "port": int(port)})
        return rows

    def with_loopback(netstat, tasklist):
        return [{"service": row[0], "pid": row[2], "port": row[4]} for row in _hv_rows(netstat, tasklist) if row[6] == "LISTENING"]

    def all_addresses_only(netstat, tasklist):
        return [{"service": row[0], "pid": row[2], "port": row[4]} for row in _hv_rows(netstat, tasklist)
                if row[6] == "LISTENING" and row[3] == "0.0.0.0"]

    def connections_too(netstat, tasklist):
        found = {(row[0], row[2], row[4]) for row in _hv_rows(netstat, tasklist) if row[3] != "127.0.0.1"}
        return [dict(zip(("service", "pid", "port"), row)) for row in sorted(found)]

    def every_row(netstat, tasklist):
        found = {(row[0], row[2], row[4]) for row in _hv_rows(netstat, tasklist)}
        return [dict(zip(("service", "pid", "port"), row)) for row in sorted(found)]

    def one_outgoing_call(netstat, tasklist):
        rows = _hv_rows(netstat, tasklist)
        waiting = {row[0] for row in rows if row[6] == "LISTENING"}
        return WhoListens.solution(netstat, tasklist) + [
            {"service": row[0], "pid": row[2], "port": row[4]} for row in rows if row[0] not in waiting]

    def image_names(netstat, tasklist):
        return [{"service": row[1], "pid": row[2], "port": row[4]} for row in _hv_rows(netstat, tasklist)
                if row[6] == "LISTENING" and row[3] != "127.0.0.1"]

    def columns_exchanged(netstat, tasklist):
        return [{"service": row[0], "pid": row[4], "port": row[2]} for row in _hv_rows(netstat, tasklist)
                if row[6] == "LISTENING" and row[3] != "127.0.0.1"]

    wrong_ways = {
        with_loopback: "One of these listens on 127.0.0.1 only. That address is the machine itself: programs on WS_ED1 reach it, a "
        "modality or the archive never will.",
        all_addresses_only: "You kept only the rows with 0.0.0.0, which means all addresses of the machine. A service may also listen "
        "on one of its addresses by number, and that one is reached from outside as well.",
        connections_too: "You also took rows in the state ESTABLISHED. In those the service is not waiting: it, or the other side, "
        "has already connected. Where the service itself has called somebody, the local port is one that Windows lent it for that "
        "call.",
        every_row: "You took every row of these services. A row counts when its state is LISTENING, and when its local address can be "
        "reached from outside.",
        one_outgoing_call: "One of these services waits for nobody. Its only row is a call that it made itself: the state says so, and "
        "the local port is one that Windows lent it for that call.",
        image_names: "Those are the image names, the names of the program files. A service has a name of its own, in the last column "
        "of `tasklist /svc`; it is what `sc` and `net stop` take.",
        columns_exchanged: "PID and port have changed places. The PID is the number of the process, in the last column of netstat and "
        "the middle one of tasklist; the port stands behind the colon of the local address.",
    }
    hints = [
        "Begin with `tasklist`: write down the PID of each service whose name begins with HV.",
        "In `netstat`, look for these PIDs in the last column, and only at rows in the state LISTENING.",
        "Of what is left, one row has a local address that nobody outside can reach. Leave it out. 0.0.0.0 means every address of the "
        "machine.",
    ]
    points = 2
    praise = (
        "These are the doors that stand open. Which of them another machine needs, and from which addresses, is the next question "
        "before a firewall rule; and `-p tcp` showed neither IPv6 nor UDP. That port 104 listens only says that the program runs, not "
        "that it can store what it gets."
    )


@lesson.exercise
class WhyNothingArrives:
    """Why does WS_ED1 lose the images, and when did the log first say so?

    Give the letter as `cause` and, as `logged_at`, the time of day **on the clock of the hospital**, with seconds, of the event that
    **names the cause**: for example `"09:15:30"`.
    """

    answer = Choice(
        "cause, logged_at",
        options={
            "A": "Another program holds port 104, so the service gets no connections.",
            "B": "The folder for the images is on a drive that the service's account does not have.",
            "C": "The file server was down at that time.",
            "D": "The service's account may not read its configuration file.",
            "E": "Windows was restarted for an update while images were coming in.",
        },
        evidence=EventTime("logged_at", reading=clock_time),
    )

    def solution(events):
        # event 1009 names the cause; SystemTime is UTC, and in April the hospital's clock is two hours ahead of it
        event = events.split("<EventID>1009<")[1]
        time = event.split('SystemTime="')[1][11:19]
        hours = int(time[:2]) + 2
        return "B", f"{hours:02d}{time[2:]}"

    def as_written(events):
        return "B", _event_time(events, 1009, 0) + "Z"

    def marked_as_utc(events):
        return "B", _event_time(events, 1009, 2) + "Z"

    def winter_time(events):
        return "B", _event_time(events, 1009, 1)

    def two_hours_twice(events):
        return "B", _event_time(events, 1009, 4)

    def the_consequence(events):
        return "B", _event_time(events, 7031, 2)

    def the_consequence_as_written(events):
        return "B", _event_time(events, 7031, 0) + "Z"

    def the_image(events):
        return "B", _event_time(events, 1005, 2)

    def listening_again(events):
        return "B", _event_time([one for one in _told(events) if one[0] == 1001][-1:], 1001, 2)

    def started_again(events):
        return "B", _event_time([one for one in _told(events) if one[0] == 7036][-1:], 7036, 2)

    def port_taken(events):
        return "A", None

    def server_down(events):
        return "C", None

    def not_readable(events):
        return "D", None

    def restarted(events):
        return "E", None

    wrong_ways = {
        as_written: "The cause is right. The time is the one that stands in the export, and its Z says UTC. Event Viewer's window "
        "would show this event on the hospital's clock.",
        marked_as_utc: "The cause is right. But what you wrote behind the time (Z, UTC or +00:00) says that it is UTC: that is another "
        "moment, two hours later. Leave it out, or write the zone of the hospital's clock.",
        winter_time: "The cause is right. You added one hour to UTC, as in winter. The name \"W. Europe Standard Time\" stands for "
        "the whole year's rule, and in April summer time holds.",
        two_hours_twice: "The cause is right. The time is four hours ahead of UTC; did you add the two hours of summer time twice?",
        the_consequence: "The cause is right. The time is that of the Service Control Manager's event, which says that the service "
        "ended. Why it ended is said by the program itself, in an event before.",
        the_consequence_as_written: "The cause is right. The time is wrong twice: it is that of the event which says that the service "
        "ended, not why; and it is UTC.",
        the_image: "The cause is right. At the time that you give the archive began to send, and all was still well. The event after "
        "it names the cause.",
        listening_again: "The cause is right. At the time that you give the service had been started again and was listening: that is "
        "after the fault. Look further up for the errors, level 2.",
        started_again: "The cause is right. The time that you give is that of the new start, after the fault. Look further up for the "
        "errors, level 2.",
        port_taken: "Look at the service's own event after each start: it says on which port it listens. And the archive's C-ECHO was "
        "answered.",
        server_down: "The person at the station wrote files to the same server before and after. What differs between that person's "
        "program and the service is the account.",
        not_readable: "The service's event after its start says that the configuration was read.",
        restarted: "There was a restart, but hours before the service was even installed. Compare the times.",
    }
    hints = [
        "Read the events in order. Level 4 is information, level 2 is an error. Which error says **what** went wrong, which only "
        "**that** it did?",
        "Compare the path in the first error with what `net use` lists, and ask whose session `net use` was typed in. `sc qc` shows "
        "the service's account.",
        "SystemTime is UTC, marked by the Z. On 4 April the hospital's clock is on summer time, two hours ahead of UTC.",
    ]
    points = 2
    praise = (
        "C-ECHO was fine and port 104 open, yet the first image killed the service: an echo needs no folder. And the log shows what "
        "\"it worked when I tested it\" rested on: after the service was installed there was one C-ECHO, and no image."
    )


@lesson.exercise
class WhereToStore:
    """The person at the desk can open the folder that stands behind `--store` in the set-up of HVReceive; the service cannot. Which path
    must stand there instead, so that the **service** finds the same folder?

    Write the whole path, with `r` in front of the quotes: `store_path = r"..."`.
    """

    answer = UncPath("store_path", reading=stored)

    def solution(settings):
        share = settings.split("H:        ")[1].split()[0]
        folder = settings.split("--store H:")[1].split()[0]
        return share + folder

    def the_letter(settings):
        return re.search(r"--store (\S+)", settings)[1]

    def share_alone(settings):
        return re.search(r"H: +(\S+)", settings)[1]

    def without_the_share(settings):
        server = re.search(r"H: +(\\\\[^\\]+)", settings)[1]
        return server + re.search(r"--store H:(\S+)", settings)[1]

    def place_on_the_server(settings, file_server):
        return _share_path(file_server) + re.search(r"--store H:(\S+)", settings)[1]

    def folder_as_share(settings, file_server):
        server = re.search(r"H: +(\\\\[^\\]+)", settings)[1]
        return f"{server}\\{_share_path(file_server).rpartition(chr(92))[2]}" + re.search(r"--store H:(\S+)", settings)[1]

    def server_and_drive(settings, file_server):
        return re.search(r"H: +(\\\\[^\\]+)", settings)[1] + "\\" + _share_path(file_server).replace(":", "$") + (
            re.search(r"--store H:(\S+)", settings)[1])

    def letter_as_share(settings):
        return re.search(r"H: +(\\\\[^\\]+)", settings)[1] + "\\" + re.search(r"--store (\S+)", settings)[1].replace(":", "$")

    def letter_without_a_dollar(settings):
        return re.search(r"H: +(\\\\[^\\]+)", settings)[1] + "\\" + re.search(r"--store (\S+)", settings)[1].replace(":", "")

    def letter_as_folder(settings):
        return re.search(r"H: +(\S+)", settings)[1] + "\\" + re.search(r"--store (\S+)", settings)[1].replace(":", "")

    wrong_ways = {
        the_letter: "That is what stands there now. The letter is a mapping in the session of the person who is logged in; the "
        "service has a session of its own, without it.",
        share_alone: "That is the share, the place that the letter stands for. The folder below it is missing.",
        without_the_share: "Behind the server's name comes the name of a share; you put the folder there. The letter stands for "
        "server and share.",
        place_on_the_server: "That is where the folder lies on the disk of the file server. On WS_ED1 this letter is a drive of "
        "WS_ED1 itself, or none.",
        folder_as_share: "Behind the server's name you put the folder's name on the server's disk. Whoever comes over the network names "
        "the share, under the name that the server gave it.",
        server_and_drive: "That goes through the server's administrative share, which only its administrators may use. No image "
        "service should be one of them. The ordinary share leads to the same folder.",
        letter_as_share: "A letter with a dollar sign is the administrative share of one of the **server's** own disks. H: is the "
        "name that one session on WS_ED1 gave to a share.",
        letter_without_a_dollar: "Behind the server's name you put the letter, as if it were a share there. H is the name that one session "
        "on WS_ED1 gave to a share; the server knows only the share's own name.",
        letter_as_folder: "Behind the share you kept the letter, as if it were a folder there. The letter is only a name for server and "
        "share together: they take its place.",
    }
    hints = [
        "`net use` says what the letter H: stands for: a server and a share.",
        "A UNC path is two backslashes, the server, a backslash, the share, and then the folders below it.",
        "Put what stands under Remote in the place of `H:` in the path behind `--store`. Nothing else changes.",
    ]
    praise = "A UNC path means the same in every session: at the desk, in a service, in a task. What may differ is the permission."


@lesson.exercise
class WhichAccounts:
    """With the UNC path in place: under which of these accounts could HVReceive **write** into the folder?

    The choice: Local System, Local Service, Network Service, and the domain's accounts `svc_dicom`, `svc_import`, `svc_nightly`. Answer
    with a list of all that could, in any order: `accounts = ["Local Service", "svc_example"]`.
    """

    answer = Accounts("accounts", reading=account)

    def solution(file_server):
        services = file_server.split('"Imaging Services"')[1].split('"Imaging Stations"')[0]
        table = []                                        # account, what the share allows it, what the folder allows it
        for name in ["svc_dicom", "svc_import", "svc_nightly"]:
            share = "CHANGE" if name in services else "READ"                              # Imaging Services, or Domain Users alone
            folder = "M" if f"HVGH\\{name}:(OI)(CI)(M)" in file_server else "RX"
            table.append((name, share, folder))
        table.append(("Local System", "CHANGE", "M"))     # arrives as WS-ED1$, a member of Imaging Stations
        table.append(("Network Service", "CHANGE", "M"))  # arrives as WS-ED1$ as well
        table.append(("Local Service", "-", "-"))         # arrives as nobody
        return [name for name, share, folder in table if share == "CHANGE" and folder == "M"]

    def share_alone(file_server):
        return _service_members(file_server) + ["Local System", "Network Service"]

    def folder_alone(file_server):
        return _folder_members(file_server) + ["Local System", "Network Service"]

    def domain_accounts_only(file_server):
        return [name for name in _service_members(file_server) if name in _folder_members(file_server)]

    def system_by_its_name(file_server):
        return [name for name in _service_members(file_server) if name in _folder_members(file_server)] + ["Local System"]

    def network_service_alone(file_server):
        return [name for name in _service_members(file_server) if name in _folder_members(file_server)] + ["Network Service"]

    def local_service_too(file_server):
        return [name for name in _service_members(file_server) if name in _folder_members(file_server)] + [
            "Local System", "Network Service", "Local Service"]

    def all_that_read(file_server):
        return ["svc_dicom", "svc_import", "svc_nightly", "Local System", "Network Service"]

    wrong_ways = {
        share_alone: "You went by the permissions of the share. Whoever comes through the share meets a second list, that of the "
        "folder, shown by `icacls`; what is done must be allowed by both.",
        folder_alone: "You went by the list of the folder, shown by `icacls`. Whoever comes over the network passes the permissions "
        "of the share first, shown by `net share`; what is done must be allowed by both.",
        domain_accounts_only: "Two of the built-in accounts are not without a name on the network: they show the account of their "
        "computer, which ends in a dollar sign. See whether a group has it as a member.",
        system_by_its_name: "What you have is right, but a built-in account is missing. Look in the table of accounts: yours is not the "
        "only one that appears on the network as the computer. (The SYSTEM that `icacls` shows is another one: the file server's own.)",
        network_service_alone: "What you have is right, but a built-in account is missing: another one appears on the network as the "
        "computer, too.",
        local_service_too: "Local Service shows no credentials on the network: it comes as an anonymous caller, and no entry here "
        "lets one in.",
        all_that_read: "All of these can read. To store images an account must be able to create files: CHANGE or FULL at the share, "
        "and M (modify), W (write) or F (full) at the folder.",
    }
    hints = [
        "Make a table: for each account, what does the share allow it, and what the folder? Look up in which group each is. Both must "
        "allow writing.",
        "CHANGE and FULL write at the share; M, W and F at the folder. READ and RX do not.",
        "On the network, Local System and one other built-in account appear as the computer, WS-ED1$; one appears as nobody.",
    ]
    points = 2
    praise = (
        "Which of them to take? Local System may do anything on its own machine, and a receiver of DICOM is a program that strangers can "
        "talk to; Network Service may do little there. Better still is a domain account for this service alone: if none that works is "
        "meant for it, have svc_dicom put where an entry is missing, rather than borrow the account of another job. A domain account also "
        "needs the right *Log on as a service* on WS_ED1; the program Services gives it when the account is entered there."
    )


@lesson.exercise
class WhereItLogs:
    """In which folder does the service HVReceive write its log now, as it runs?

    Write the whole path, with no variable left in it: `log_folder = r"..."`.
    """

    answer = WindowsPath("log_folder")

    def solution(registry, variables):
        # a 32-bit program: the key below WOW6432Node; a service of SYSTEM: the variable of the system
        key = registry.split("WOW6432Node")[1]
        value = key.split('"LogFolder"="')[1].split('"')[0].replace("\\\\", "\\")
        system = variables.split("REG_SZ    ")[1].split("\n")[0]
        return value.replace("%HVLOG%", system)

    def the_other_key(registry, variables):
        return _log_folder(registry, variables, 0, 0)

    def the_users_variable(registry, variables):
        return _log_folder(registry, variables, 1, 1)

    def both_wrong(registry, variables):
        return _log_folder(registry, variables, 0, 1)

    def variable_left(registry, variables):
        return "%HVLOG%\\" + _log_folder(registry, variables, 1, 0).rpartition("\\")[2]

    def variable_alone(registry, variables):
        return _log_folder(registry, variables, 1, 0).rpartition("\\")[0]

    wrong_ways = {
        the_other_key: "The variable is right, the key is not. The one that you took is what 64-bit programs see under that name. The "
        "Task Manager says what kind HVReceive is.",
        the_users_variable: "The key is right, the variable is not. You took the one of the user ed.station; it is put into programs "
        "which that user starts. The service runs under another account.",
        both_wrong: "You followed the way that a 64-bit program of the logged-in user would go. HVReceive is neither: see its "
        "Platform and its User name in the Task Manager.",
        variable_left: "The key is right; now put in what `%HVLOG%` stands for, for the account of the service.",
        variable_alone: "That is what the variable stands for. In the key there is a folder behind it.",
    }
    hints = [
        "Two questions: which of the two keys does this program see, and whose HVLOG does it get?",
        "Task Manager: Platform decides about the key (32-bit programs get WOW6432Node), User name about the variable.",
        "Take LogFolder of that key, read each double backslash as one, and put the value of that HVLOG in the place of `%HVLOG%`.",
    ]
    praise = (
        "Whoever only changes what regedit shows first under SOFTWARE, or a variable in their own session, will swear that the program "
        "ignores its settings."
    )


@lesson.exercise
class ForUnix:
    """The three files are to go to a UNIX server whose program wants **UTF-8, no byte order mark, and line feeds alone**. Write the
    function `for_unix(data)`: it gets the bytes of a text file as Windows saved it and returns the bytes that the program wants.

    The file may be UTF-8 without or with a byte order mark, or UTF-16 with one (it then begins with `ff fe`). It may have been right from
    the start. Nothing else may change: a last line without a line end stays without one, a carriage return that stands alone stays where
    it is, and an empty file stays empty. Blanks, tabs and empty lines stay as well, also at the ends. Of a file that is a mark alone
    nothing is left.
    """

    answer = Function("for_unix", result=FileBytes("text"))
    points = 2

    def solution(data):
        if data.startswith(b"\xff\xfe"):
            text = data.decode("utf-16")
        else:
            text = data.decode("utf-8-sig")
        text = text.replace("\r\n", "\n")
        return text.encode("utf-8")

    def mark_kept(data):
        text = data.decode("utf-16" if data.startswith(b"\xff\xfe") else "utf-8")
        return text.replace("\r\n", "\n").encode("utf-8")

    def line_ends_kept(data):
        return data.decode("utf-16" if data.startswith(b"\xff\xfe") else "utf-8-sig").encode("utf-8")

    def line_ends_doubled(data):
        return data.decode("utf-16" if data.startswith(b"\xff\xfe") else "utf-8-sig").replace("\r", "\n").encode("utf-8")

    def every_carriage_return(data):
        text = data.decode("utf-16" if data.startswith(b"\xff\xfe") else "utf-8-sig")
        return text.replace("\r", "").encode("utf-8")

    def utf_8_for_all(data):
        return data.decode("utf-8-sig").replace("\r\n", "\n").encode("utf-8")

    def utf_16_for_all(data):
        return data.decode("utf-16").replace("\r\n", "\n").encode("utf-8")

    def zeros_thrown_out(data):
        for mark in (b"\xff\xfe", b"\xef\xbb\xbf"):
            data = data.removeprefix(mark)
        return data.replace(b"\0", b"").replace(b"\r\n", b"\n")

    def line_ends_alone(data):
        return data.replace(b"\r\n", b"\n")

    def ascii_only(data):
        text = data.decode("utf-16" if data.startswith(b"\xff\xfe") else "utf-8-sig")
        return text.replace("\r\n", "\n").encode("ascii", "ignore")

    def code_page(data):
        text = data.decode("utf-16" if data.startswith(b"\xff\xfe") else "utf-8-sig")
        return text.replace("\r\n", "\n").encode("cp1252")

    def code_page_read(data):
        for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"), (b"", "cp1252")):
            if data.startswith(mark):
                return data.decode(encoding).replace("\r\n", "\n").encode("utf-8")

    def code_page_read_with_a_mark_too(data):
        return data.decode("utf-16" if data.startswith(b"\xff\xfe") else "cp1252").replace("\r\n", "\n").encode("utf-8")

    def every_mark(data):
        text = data.decode("utf-16" if data.startswith(b"\xff\xfe") else "utf-8-sig")
        return text.replace("\ufeff", "").replace("\r\n", "\n").encode("utf-8")

    def bytes_of_the_mark(data):
        if data.startswith(b"\xff\xfe"):
            text = data.decode("utf-16")
        else:
            text = data.lstrip(b"\xef\xbb\xbf").decode("utf-8")
        return text.replace("\r\n", "\n").encode("utf-8")

    def last_line_end_lost(data):
        text = data.decode("utf-16" if data.startswith(b"\xff\xfe") else "utf-8-sig")
        return text.replace("\r\n", "\n").strip().encode("utf-8")

    def last_line_end_added(data):
        text = data.decode("utf-16" if data.startswith(b"\xff\xfe") else "utf-8-sig")
        return "".join(line + "\n" for line in text.splitlines()).encode("utf-8")

    def last_line_end_added_everywhere(data):
        text = data.decode("utf-16" if data.startswith(b"\xff\xfe") else "utf-8-sig")
        return ("\n".join(text.splitlines()) + "\n").encode("utf-8")

    def every_kind_of_line_end(data):
        text = data.decode("utf-16" if data.startswith(b"\xff\xfe") else "utf-8-sig")
        return text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8")

    def ends_of_lines_stripped(data):
        text = data.decode("utf-16" if data.startswith(b"\xff\xfe") else "utf-8-sig")
        return "\n".join(line.rstrip() for line in text.split("\n")).encode("utf-8")

    def lines_joined(data):
        text = data.decode("utf-16" if data.startswith(b"\xff\xfe") else "utf-8-sig")
        return "\n".join(text.splitlines()).encode("utf-8")

    wrong_ways = {
        mark_kept: "In a file that had the mark of UTF-8, `ef bb bf` is still there. `\"utf-8\"` takes it for a character of the "
        "text; `\"utf-8-sig\"` takes it away where it is there.",
        line_ends_kept: "The encoding is right, but the carriage returns are still there. UNIX reads them as the last character of "
        "each line: the port becomes `104` with an invisible sign behind.",
        line_ends_doubled: "You turned each carriage return into a line feed, but there was one already: every line is followed by an "
        "empty one. Replace the pair.",
        every_kind_of_line_end: "The pairs are right. But a carriage return that stands alone has become a line feed, as in Python's own "
        "reading of text files; it was to stay where it is. Replace the pair only.",
        ends_of_lines_stripped: "Blanks and tabs at the ends of lines are lost, and a carriage return that stood alone there: `.rstrip()` "
        "takes all of them away. Nothing but mark, encoding and the pairs `\\r\\n` was to change.",
        every_carriage_return: "You took out every carriage return, also one that stands alone inside a line. Replace the pair only: "
        "`\\r\\n`.",
        utf_8_for_all: "You read a file as UTF-8 that is UTF-16: it begins with `ff fe`. Look at the first two bytes, and choose with "
        "`if`.",
        utf_16_for_all: "You read every file as UTF-16. Only one that begins with `ff fe` is; the others have one byte for an English "
        "letter.",
        zeros_thrown_out: "You took the zero bytes out of UTF-16. For plain English text that looks right; an accented letter becomes "
        "a single byte that is no UTF-8. Decode, then encode.",
        line_ends_alone: "You replaced bytes only. The byte order mark stays, and in UTF-16 the line end is four bytes, `0d 00 0a "
        "00`, which you did not meet.",
        ascii_only: "Letters with accents have vanished. UTF-8 can hold them; say so when you encode.",
        code_page: "You encoded to the Windows code page 1252. There an accented letter is a single byte, which is no UTF-8; and most "
        "characters of the world have no place in it.",
        code_page_read: "You read the files without a mark as code page 1252, as in the example above. These are UTF-8: each letter with "
        "an accent becomes two wrong ones.",
        code_page_read_with_a_mark_too: "You read every file but UTF-16 as code page 1252. They are UTF-8, with or without a mark: each "
        "letter with an accent becomes two wrong ones, and the mark three.",
        every_mark: "You took the character U+FEFF out of the whole text. At the beginning it is the mark; inside it belongs to the text, "
        "and nothing else was to change. `\"utf-8-sig\"` takes away the one at the beginning.",
        bytes_of_the_mark: "`lstrip` takes away each of the bytes that you name, in any order and number, also those with which a first "
        "letter begins. `removeprefix`, or `\"utf-8-sig\"`, takes away the mark as a whole.",
        last_line_end_added: "A file whose last line had no line end has one now. Nothing but mark, encoding and line ends was to change.",
        last_line_end_added_everywhere: "A file whose last line had no line end has one now, and the empty file is no longer empty. "
        "Nothing but mark, encoding and line ends was to change.",
        lines_joined: "The line end of the last line is lost: `.splitlines()` takes it off, and joining puts line feeds **between** the "
        "lines only. A UNIX program may overlook a last line without its end.",
        last_line_end_lost: "The last line end, or an empty line, is lost: `.strip()` takes more away than you meant. A UNIX program "
        "may overlook a last line without its end.",
    }
    hints = [
        "Three steps: bytes to text with the right encoding, line ends, text to bytes again.",
        '`data.startswith(b"\\xff\\xfe")` tells UTF-16. In all other cases `"utf-8-sig"` reads the file with or without a mark.',
        'Then `.replace("\\r\\n", "\\n")` and, at the end, `.encode("utf-8")`. Do not forget to `return` it.',
    ]
    praise = (
        "The same three steps, decode, change, encode, mend any text file that crosses from Windows to UNIX. When a program there "
        "refuses a first line that looks right, or does not find a folder that is there, look at the bytes first."
    )

    def cases(draw):
        rooms = ["Röntgen", "Gynécologie", "Skövde", "Salle d'urgence n° 2", "Emergency"]
        found = [(b"",)]
        for encoding in ("utf-8", "utf-8-sig", "utf-16"):
            tails = [0, 1, 2]                                   # line ends behind the last line
            draw.shuffle(tails)
            for end, tail in zip(("\r\n", "\r\n", "\n"), tails):
                room = rooms.pop(0) if rooms else draw.choice(["Köln", "Besançon"])
                lines = ["[receive]", f"port = {draw.randrange(104, 11200)}", f"name = {room} \u00e9 {draw.randrange(1, 20)}"]
                if tail == 0:
                    lines[2] += " \ufeff(moved)"                # inside a text that is a character like others
                if tail == 1:
                    lines.insert(0, "\uff03 by the vendor")     # a number sign of double width: its first byte is one of the mark's
                if tail == 2:
                    lines[1] += "\r; moved"                     # a carriage return alone is no line end here
                text = end.join(lines) + end * tail
                mark = b"\xff\xfe" if encoding == "utf-16" else b""
                found.append((mark + text.encode("utf-16-le" if mark else encoding),))
        # what has to stay: blanks, tabs and empty lines wherever they are, a carriage return alone, letters of every kind
        number, mark = draw.randrange(104, 11200), b"\xef\xbb\xbf"
        kept = [
            f"\r\n  [receive]\t \r\nport  =  {number}  \r\n\r\n\tname = Noe\u0308l  \r\n\t ", f"port = {number}\r\n\rname = a\r",
            f"; \U00020bb7\u91ce {number}\r\n\x1a", "\r\n", "",
        ]
        found += [(text.encode("utf-8"),) for text in kept[:4]] + [(mark + text.encode("utf-8"),) for text in kept[1:]]
        found += [(b"\xff\xfe" + text.encode("utf-16-le"),) for text in (*kept, "\u6771\u4eac")]
        draw.shuffle(found)
        found.sort(key=lambda case: case[0][:1] == b"\xff")          # UTF-16, which is hard to read, last
        return found


@lesson.exercise
class ShortPath:
    """The old importer takes no name longer than 8.3. Which path do you give it for the file in `long_path`?

    Write the whole path, with drive and file name: `short_path = r"..."`.
    """

    answer = ShortNames("short_path")

    def solution(long_path, listings):
        short = {}
        for line in listings.splitlines():
            if "<DIR>" in line:
                name = line[49:]
                short[name] = line[36:48].strip() or name
        parts = []
        for part in long_path.split("\\"):
            parts.append(short.get(part, part))
        return "\\".join(parts)

    def always_one(long_path, listings):
        shorts = _shorts(listings)
        return _path_with(long_path, lambda part: re.sub(r"~\d", "~1", shorts.get(part, part)))

    def cut_at_eight(long_path, listings):
        return _path_with(long_path, lambda part: part.replace(" ", "")[:8])

    def the_long_one(long_path, listings):
        return long_path

    def without_blanks(long_path, listings):
        return long_path.replace(" ", "")

    def file_alone(long_path, listings):
        return long_path.rpartition("\\")[2]

    def folder_alone(long_path, listings):
        return ShortPath.solution(long_path, listings).rpartition("\\")[0]

    def every_name_shortened(long_path, listings):
        shorts = _shorts(listings)
        return _path_with(long_path, lambda part: shorts.get(part, f"{part[:6]}~1") if part != "HVPACS" else part)

    wrong_ways = {
        always_one: "You took ~1 in each place. The number tells names apart that begin alike, as a rule in the order in which they "
        "were made; it can only be looked up, not worked out.",
        cut_at_eight: "You cut the names at eight letters. Windows makes six letters, a tilde and a number; it would not know your folder.",
        the_long_one: "That is the long path. A program of MS-DOS's time cuts it, or takes the space for the end of the name. Quotes "
        "would not help it either.",
        without_blanks: "You took the spaces out. There is no folder of that name.",
        file_alone: "That is the file's name alone, so the importer would look in whatever folder it happens to be in.",
        folder_alone: "That is the folder of the CD, with the right short names. The file in it is missing.",
        every_name_shortened: "A name that is 8.3 already has no other short name: the column is empty, and the name stands for itself.",
    }
    hints = [
        "`dir /x` shows the short name in the column before the long one.",
        "Replace each folder of the long path by its short name. Take the number behind the tilde as it stands there.",
        "Where the column is empty the name is short enough and is used as it is. So is DICOMDIR, which has eight letters.",
    ]
    praise = (
        "You looked the names up and did not guess them: the number behind a tilde depends on the order in which folders were made, so the "
        "same long name may have another short name on another machine, or after a copy."
    )


@lesson.exercise
class ValidFileId:
    """Write the function `valid_file_id(path)`: is the path of a file, as it lies on a CD, also a valid **DICOM File ID**? It returns
    `True` or `False`.

    `path` is a text such as `CT\\HEAD\\IM0001`, from the top of the CD, with a backslash between the components. (In messages Python shows
    each backslash twice; there is one.)
    """

    answer = Function("valid_file_id", result=YesNo("valid"))
    points = 2

    def solution(path):
        parts = path.split("\\")
        if len(parts) > 8:
            return False
        for part in parts:
            if len(part) < 1 or len(part) > 8:
                return False
            for letter in part:
                if letter not in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_":
                    return False
        return True

    def small_letters_too(path):
        return ValidFileId.solution(path.upper() if path.isascii() else path)

    def extension_too(path):
        folder, _, name = path.rpartition("\\")
        stem, dot, extension = name.partition(".")
        name = stem + extension if dot and len(extension) <= 3 and len(stem) <= 8 and "." not in extension else name
        return ValidFileId.solution((folder + "\\" if folder else "") + name[:8] if dot else path)

    def each_with_extension(path):
        parts = path.split("\\")
        return len(parts) <= 8 and all(re.fullmatch(r"[A-Z0-9_]{1,8}(\.[A-Z0-9_]{1,3})?", part) is not None for part in parts)

    def dot_among_the_characters(path):
        return ValidFileId.solution(path.replace(".", "_"))

    def file_not_counted(path):
        parts = path.split("\\")
        return len(parts) <= 9 and all(ValidFileId.solution(part) for part in parts)

    def all_pass(path):
        return True

    def none_pass(path):
        return False

    def turned_round(path):
        return not ValidFileId.solution(path)

    def line_end_too(path):
        return ValidFileId.solution(path.removesuffix("\n"))

    def other_capitals_too(path):
        return ValidFileId.solution("".join("A" if letter.isupper() or letter.isdigit() else letter for letter in path))

    def length_alone(path):
        parts = path.split("\\")
        return len(parts) <= 8 and all(1 <= len(part) <= 8 for part in parts)

    def any_depth(path):
        return all(ValidFileId.solution(part) for part in path.split("\\"))

    def empty_too(path):
        parts = path.split("\\")
        return len(parts) <= 8 and all(part == "" or ValidFileId.solution(part) for part in parts)

    def any_length(path):
        parts = path.split("\\")
        return len(parts) <= 8 and all(re.fullmatch("[A-Z0-9_]+", part) is not None for part in parts)

    def no_underscore(path):
        return "_" not in path and ValidFileId.solution(path)

    def slashes_too(path):
        return ValidFileId.solution(path.replace("/", "\\"))

    def signs_of_msdos(path):
        return ValidFileId.solution(re.sub(r"[-!#$%&'()@^`{}~]", "_", path))

    def hyphens_too(path):
        return ValidFileId.solution(path.replace("-", "_"))

    def is_upper(path):
        parts = path.split("\\")
        return len(parts) <= 8 and all(1 <= len(part) <= 8 and part == part.upper() for part in parts)

    def whole_path(path):
        return len(path) <= 8 and ValidFileId.solution(path)

    def devices_refused(path):
        devices = ["CON", "PRN", "AUX", "NUL", *(f"{device}{number}" for device in ("COM", "LPT") for number in range(1, 10))]
        return ValidFileId.solution(path) and not set(devices) & set(path.split("\\"))

    def never_cut(path):
        return "\\" not in path and ValidFileId.solution(path)

    def cut_at_slashes(path):
        return "\\" not in path and ValidFileId.solution(path.replace("/", "\\"))

    def after_the_first_part(path):
        parts = path.split("\\")
        return len(parts) <= 8 and ValidFileId.solution(parts[0])

    def after_the_first_letter(path):
        parts = path.split("\\")
        return len(parts) <= 8 and 1 <= len(parts[0]) <= 8 and ValidFileId.solution(parts[0][0])

    def first_letters_alone(path):
        parts = path.split("\\")
        return len(parts) <= 8 and all(1 <= len(part) <= 8 and ValidFileId.solution(part[0]) for part in parts)

    wrong_ways = {
        devices_refused: "You also refuse the names of devices, such as CON. Windows cannot have such a file, but as a File ID the name is "
        "valid: the standard knows characters and lengths only (PS3.10 section 8.5). A burning program had better avoid it all the same.",
        never_cut: "Every path with a folder in it is refused: it was never cut, or not at the backslash. In quotes without r the "
        "backslash is written twice.",
        cut_at_slashes: "You cut at the slash, as UNIX writes a path. The components of a File ID are separated by backslashes, and the "
        "slash is none of its characters (PS3.10 sections 8.2 and 8.5). In quotes without r the backslash is written twice.",
        after_the_first_part: "Only the first component decides: your function returns True as soon as that one is in order. "
        "`return True` belongs behind the loops, as far to the left as the outer `for`.",
        after_the_first_letter: "Only the first letter of the first component decides: `return True` stands inside the loops and ends the "
        "function there. It belongs behind them, as far to the left as the outer `for`.",
        first_letters_alone: "Only the first letter of each component is looked at. Go through all letters before you decide.",
        small_letters_too: "You let small letters pass. Windows does not tell them from capitals, and so the fault stays unseen until "
        "the CD is read under UNIX. File IDs have capitals only (PS3.10 section 8.5).",
        extension_too: "You let an extension pass. A File ID is not an 8.3 name: the dot is not among its characters, so there is "
        "no `.dcm` (PS3.10 section 8.5).",
        each_with_extension: "You let a name with an extension pass, as MS-DOS does: eight, a dot, three. In a File ID the dot is no "
        "character at all, neither in a folder nor in a file (PS3.10 section 8.5).",
        dot_among_the_characters: "You let a dot pass as one of the eight characters. It is not among those that are allowed (PS3.10 "
        "section 8.5).",
        file_not_counted: "You let eight folders and a file pass. The file's own name is one of the components, of which there are at most "
        "eight (PS3.10 section 8.2).",
        all_pass: "Your function returns True for every path that has a fault. Does it ever come to a `return False`?",
        none_pass: "Your function returns False for every path in which nothing is wrong. `return True` belongs behind the loops; and "
        "`not in` is not `in`.",
        turned_round: "True and False have changed places: True is asked where the path is a valid File ID.",
        line_end_too: "You let a line end behind the last letter pass; a path read from a list of files has one. `.strip()` takes it off "
        "before you look, and in a regular expression `$` also stands before one (`re.fullmatch` does not let it pass).",
        other_capitals_too: "You let capitals with accents pass: `.isupper()` knows the letters of many languages. Only `A` to `Z` are "
        "allowed (PS3.10 section 8.5).",
        length_alone: "You looked at lengths only. Not every character may be used (PS3.10 section 8.5).",
        any_depth: "You let paths of any depth pass. A File ID has at most eight components (PS3.10 section 8.2).",
        empty_too: "You let an empty component pass, as behind a backslash at the beginning or the end, or between two. Each has at "
        "least one character (PS3.10 section 8.2).",
        any_length: "You looked at the characters and the depth; a component may not have more than eight characters (PS3.10 section 8.2).",
        no_underscore: "You refuse the underscore. It is the one sign beside letters and digits that is allowed (PS3.10 section 8.5).",
        slashes_too: "You take a slash for a backslash. A path as UNIX writes it is no File ID: `/` is not among the characters (PS3.10 "
        "section 8.5). Whoever fills the attribute has to turn it into backslashes first.",
        signs_of_msdos: "You let signs pass that MS-DOS has in its names, such as $, # or ~. In a File ID there are capitals, digits and "
        "the underscore, nothing else (PS3.10 section 8.5).",
        hyphens_too: "You let the hyphen pass. The one sign that is allowed is the underscore (PS3.10 section 8.5).",
        is_upper: "You only asked whether capitals are used. `.upper()` leaves dots, spaces, hyphens and the like as they are, and "
        "it knows letters with accents.",
        whole_path: "You measured the whole path. The limit of eight characters holds for each component (PS3.10 section 8.2).",
    }
    hints = [
        'Cut first: `parts = path.split("\\\\")`. Then there are three questions: how many parts, how long is each, which characters '
        'has it?',
        "As soon as something is wrong, `return False`. Only when all has been looked at, behind the loops, `return True`.",
        "As in the function for AE titles above: a loop over the parts, in it the two questions of length, and in it a loop over the "
        "letters.",
    ]
    praise = (
        "A burning program that lets IMAGE0001.dcm pass makes CDs that many viewers open and some devices refuse. You can now say who is "
        "right."
    )

    def cases(draw):
        def name(length):
            return "".join(draw.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") for _ in range(length))

        def path(*lengths):
            return "\\".join(name(length) for length in lengths)

        right = [
            path(8), path(4, 2, 8), path(*[8] * 8), path(1), "DICOMDIR", f"CT_{name(3)}\\IM_{name(5)}", path(3, 3, 3, 3), f"_{name(4)}",
            path(3, 4), f"CON\\IM{name(4)}", "NUL",
            "\\".join([name(4)] * 2), f"___\\{name(3)}",
        ]
        wrong = [
            path(4, 9), path(9), path(*[3] * 9), path(*[2] * 10), f"{name(4)}\\\\{name(5)}", f"\\{name(6)}", f"{name(6)}\\",
            f"{name(4)}\\im{draw.randrange(1000, 9999)}", f"Ct\\{name(8)}", f"{name(3)}\\IM{draw.randrange(1000, 9999)}.DCM",
            f"{name(2)}\\{name(4)}.A", f"{name(3)}-{name(3)}", f"CT {name(4)}\\{name(5)}", f"R\u00d6{name(4)}",
            f"IMPORT~{draw.randrange(1, 9)}\\{name(8)}", "",
            f"{name(3)}\\{name(2)}.{name(2)}\\{name(4)}", f"{name(4)}\\{name(6)}\n", f"{name(2)}/{name(4)}", f"IM\u0661{name(3)}",
        ]
        wrong += [f"{name(2)}\\{name(2)}{sign}{name(3)}" for sign in "!\"#$%&'()*+,-./:;<=>?@[]^`{|}~ "]
        cases = [(one,) for one in right + wrong]
        draw.shuffle(cases)
        return cases


@lesson.exercise
class WhatItReports:
    """How many lines did `nightly.bat`, as it stands above, add to failed.txt on each of the three evenings?

    Answer with a table of two columns, `night` and `lines`. A list of rows will do:
    `reported = [("2 April", 4), ("3 April", 1), ("4 April", 0)]`.
    """

    answer = Evenings("reported", key=["night"], reading={"night": night, "lines": reported})
    points = 2

    def solution(nights):
        # cmd reads the block once, before the first file: all files get what net use left
        return [{"night": night, "lines": len(codes) if net_use != 0 else 0} for night, net_use, codes in nights]

    def as_it_reads(nights):
        return [{"night": night, "lines": sum(code != 0 for code in codes)} for night, _, codes in nights]

    def one_behind(nights):
        return [{"night": night, "lines": sum(code != 0 for code in [net_use, *codes[:-1]])} for night, net_use, codes in nights]

    def the_other_way_round(nights):
        return [{"night": night, "lines": len(codes) if net_use == 0 else 0} for night, net_use, codes in nights]

    def never(nights):
        return [{"night": night, "lines": 0} for night, *_ in nights]

    def as_the_last(nights):
        return [{"night": night, "lines": len(codes) if codes[-1] else 0} for night, _, codes in nights]

    def net_use_once(nights):
        return [{"night": night, "lines": int(net_use != 0)} for night, net_use, _ in nights]

    def net_use_and_the_files(nights):
        return [{"night": night, "lines": (net_use != 0) + sum(code != 0 for code in codes)} for night, net_use, codes in nights]

    wrong_ways = {
        as_it_reads: "So many files were not sent. That is what the author wanted; cmd replaces `%ERRORLEVEL%` when it **reads** the "
        "block, and it reads the whole block once, before the first file.",
        one_behind: "You let each file be judged by the exit code of the one before. cmd does not look again between two files: the "
        "value was put in once, before the first.",
        the_other_way_round: "You found that one number decides for all the files. But the wrong way round: `NEQ 0` is true when the "
        "number is **not** 0, and then the line is written.",
        never: "The value is put in once, that is right; but it need not be 0. It is what the last program before the loop left. "
        "Which program ran before it in evening.bat?",
        as_the_last: "You took the exit code of the last file for all. cmd cannot know it when it reads the block, before the first "
        "file is sent.",
        net_use_once: "The exit code of `net use` decides, that is right. But the comparison is carried out once for every file, each "
        "time with that same value.",
        net_use_and_the_files: "You added the exit code of `net use` to those of the files. Once the block is read, the exit codes of "
        "the files are asked by nobody.",
    }
    hints = [
        "Take a pencil: write the block down as cmd sees it after the reading, with a number in the place of `%ERRORLEVEL%`.",
        "`@echo off`, `set COUNT=0` and `call` leave the error level as it is. The last program before the loop was `net use`.",
        "If the number is 0, the line reads `if 0 NEQ 0 ...`, for each of the files. If it is 2, it reads `if 2 NEQ 0 ...`, for each "
        "of the files.",
    ]
    praise = (
        "Not one of these lines says anything about a file. A list of failures that is always empty, or always full, is worth a look at "
        "when the exit code was read."
    )


@lesson.exercise
class NightlyRepaired:
    """Repair `nightly.bat` for its job as a **scheduled task under SYSTEM**. It must

    - find the files, in the folder that the person at the station calls `H:\\incoming`;
    - send each file `*.dcm` once, also one with a space in its name;
    - add to `failed.txt`, which lies beside the batch file, a line for each file that was **not** sent, with the file's name, and for
      no other; the lines of earlier nights stay until somebody has read them;
    - print as its last line how many files **were** sent, also when it was none; if there is another number in that line, say with it what
      it counts (`3 sent, 2 failed`);
    - leave the files where they are.

    `send.exe` ends with 0 when the archive has taken the file, else with a number from 1 to 3. What ran before the batch file is not
    known. A drive letter that SYSTEM maps and does not delete is still there the next night.

    You may use echo, set, set /a, if, else, for over files, call :label, goto, exit, setlocal, endlocal, cd, pushd, popd, del, net use,
    rem, send.exe, `&`, `&&` and `||`; more the rehearsal does not know.

    Write the whole batch file as text between `r\"\"\"` and `\"\"\"`.
    """

    answer = Batch("repaired")
    points = 4

    def solution():
        return r"""
            @echo off
            set COUNT=0
            for %%f in (\\hv-file\images\incoming\*.dcm) do (
              C:\HVPACS\bin\send.exe "%%f"
              if errorlevel 1 (
                echo failed %%f>> "%~dp0failed.txt"
              ) else (
                set /a COUNT=COUNT+1
              )
            )
            echo %COUNT% sent
            """

    def unchanged(nightly):
        return nightly

    def path_alone(nightly):
        return nightly.replace("H:", r"\\hv-file\images")

    def blanks_forgotten():
        return NightlyRepaired.solution().replace('"%%f"', "%%f")

    def still_read_too_early():
        return NightlyRepaired.solution().replace("if errorlevel 1", "if %ERRORLEVEL% NEQ 0")

    def all_of_them():
        return NightlyRepaired.solution().replace("if errorlevel 1", "if errorlevel 0")

    def counts_all(nightly):
        text = nightly.replace("H:", r"\\hv-file\images").replace("send.exe %%f", 'send.exe "%%f"')
        return text.replace("if %ERRORLEVEL% NEQ 0", "if errorlevel 1")

    def overwrites():
        return NightlyRepaired.solution().replace(">>", ">")

    def count_read_too_early():
        return NightlyRepaired.solution().replace("COUNT=COUNT+1", "COUNT=%COUNT%+1")

    def beside_something_else():
        return NightlyRepaired.solution().replace("%~dp0", "")

    def place_on_the_server(file_server):
        return NightlyRepaired.solution().replace(r"\\hv-file\images", _share_path(file_server))

    def without_the_name():
        return NightlyRepaired.solution().replace("failed %%f", "failed")

    def one_number_alone():
        text = NightlyRepaired.solution().replace("if errorlevel 1", "if !ERRORLEVEL! EQU 1")
        return text.replace("@echo off", "@echo off\nsetlocal EnableDelayedExpansion")

    def not_switched_on():
        return NightlyRepaired.solution().replace("if errorlevel 1", "if !ERRORLEVEL! NEQ 0")

    def single_quotes():
        return NightlyRepaired.solution().replace('"%%f"', "'%%f'")

    def failures_counted():
        return re.sub(r"(\s+)(echo failed.*)\s+\) else \(\s+(set /a .*)", r"\1\2\1\3", NightlyRepaired.solution())

    def count_not_set():
        return NightlyRepaired.solution().replace("set COUNT=0", "")

    def blanks_round_the_sign():
        return NightlyRepaired.solution().replace("set COUNT=0", "set COUNT = 0")

    def sent_and_deleted():
        return NightlyRepaired.solution().replace("set /a COUNT=COUNT+1", 'set /a COUNT=COUNT+1\ndel "%%f"')

    def falls_into_the_part():
        return r"""
            @echo off
            set COUNT=0
            for %%f in (\\hv-file\images\incoming\*.dcm) do call :one "%%f"
            echo %COUNT% sent
            :one
            C:\HVPACS\bin\send.exe %1
            if errorlevel 1 (echo failed %1>> "%~dp0failed.txt") else set /a COUNT=COUNT+1
            """

    def deleted_first():
        return NightlyRepaired.solution().replace("set COUNT=0", 'set COUNT=0\ndel "%~dp0failed.txt"')

    def unc_as_current_folder():
        text = NightlyRepaired.solution().replace(r"\\hv-file\images\incoming\*.dcm", "*.dcm")
        return text.replace("set COUNT=0", "set COUNT=0\ncd /d \\\\hv-file\\images\\incoming")

    wrong_ways = {
        unchanged: "Under SYSTEM there is no drive H:. The loop finds no file, nothing fails, the last line says that none was sent, "
        "and the task ends well: every night.",
        path_alone: "Now the files are found. But a name with a space arrives at send.exe as two arguments; the exit code is still "
        "looked at before the first file is sent; and COUNT counts the attempts, not what was sent.",
        blanks_forgotten: "A file with a space in its name is never sent: send.exe gets two arguments. Put the variable in quotes.",
        still_read_too_early: "`%ERRORLEVEL%` is still replaced when the block is read, before the first file is sent. Ask for the "
        "exit code in a way that waits until then.",
        all_of_them: "Every file is reported and none is counted: the comparison is always true. `if errorlevel n` means n **or "
        "higher**, so `errorlevel 0` holds for 0 as well.",
        counts_all: "The files are right. The last line still counts the attempts. Count only where a file was sent.",
        place_on_the_server: "No file is found. That path is where the folder lies on a disk of the **file server**; at WS_ED1 the letter "
        "is a drive of WS_ED1 itself, or none.",
        without_the_name: "The lines are in the right file, one for each file that was not sent. But they do not name the file: whoever "
        "reads them knows that something failed, not what.",
        one_number_alone: "Your comparison takes one number alone for a failure. `EQU` means equal; send.exe may end with others, and "
        "those files are counted as sent and reported by nobody.",
        not_switched_on: "Every file is reported and none is counted. `!ERRORLEVEL!` stays as it is written until `setlocal "
        "EnableDelayedExpansion` is carried out, and that text is never equal to a number.",
        single_quotes: "Nothing was sent. Single quotes are ordinary characters for cmd, part of the name; a name with a space is kept "
        "together by double quotes only.",
        failures_counted: "The files are right. The last line says how many were **not** sent. (Behind `||` this also happens with `&&`: "
        "`a || b && c` carries out both b and c when a failed, and neither when it did not.)",
        count_not_set: "When no file is sent the last line shows no number; and where COUNT holds something from before, it is counted on "
        "from there. Give it a value at the start.",
        blanks_round_the_sign: "In `set COUNT = 0` the blank in front of `=` belongs to the name: that sets another variable, and COUNT "
        "begins with nothing, or with what it held before. Write `set COUNT=0`. (`set /a` minds no blanks.)",
        sent_and_deleted: "Your batch file deletes what it has sent. That send.exe ended with 0 is no promise that the archive keeps an "
        "image: that is what storage commitment is for (PS3.4 annex J). Leave the files where they are.",
        falls_into_the_part: "After the last line cmd goes on into the part that is called, once more and without a file: failed.txt gets "
        "a line that names none. End above it with `goto :eof` or `exit /b`.",
        deleted_first: "failed.txt is removed or emptied before the night begins, and with it the failures of last night that nobody "
        "has read yet. Only add to it.",
        unc_as_current_folder: "No file is found. cmd says to this line: \"CMD does not support UNC paths as current directories\", and "
        "stays where it was. Name the whole path where the files are looked for; `pushd` would lend a drive letter to it.",
        overwrites: "`>` writes failed.txt anew each time: only the last failure is left in it, and the lines of earlier nights are gone.",
        count_read_too_early: "The last line never says more than 1: nothing is added to the number that stood before. Where `%COUNT%` "
        "stands inside the block, it was replaced when the block was read; `set /a` knows variables by their bare names.",
        beside_something_else: "failed.txt is not beside the batch file. A scheduled task starts in a folder of its own, as a rule "
        "C:\\Windows\\System32; `%~dp0` is the folder of the batch file.",
    }
    hints = [
        "Four things are wrong: the drive, spaces in names, when the exit code is looked at, and what is counted. Mend one, run "
        "`rehearse(...)`, mend the next.",
        "The path: exercise 3. Spaces: quotes around `%%f` where it is handed to send.exe.",
        "The exit code: `if errorlevel 1 ( ... ) else ( ... )` is looked at when it is carried out. Quotes around the name of "
        "failed.txt keep it together when the folder has a space in its name.",
        "The branch behind `else` is where a file was sent: that is the place for `set /a COUNT=COUNT+1`.",
    ]
    praise = (
        "It now works without anybody logged in, tells the truth about each file, and somebody can find failed.txt. What is left is that "
        "somebody reads it: let the task end with an exit code other than 0 when there is a line in it. (`if errorlevel 1` is enough for "
        "this send.exe, which ends with 0 to 3; a crash with a negative number would slip past it, and `&&` and `||` would catch it.)"
    )
