"""UNIX on a PACS server: the exercises of lesson cpas-12, and the server on which they are done."""

import datetime
import posixpath
import re
from pathlib import PurePath
from typing import NamedTuple

from coursekit.checking import Choice, Lesson, Number, Outcome, Set, Text, Verdict, running
from coursekit.checking.kinds.base import Difference
from coursekit.checking.kinds.text import read_text
from coursekit.checking.reading import Unclear, Unreadable, describe, is_a, plain
from coursekit.hospital.draws import Draws
from coursekit.standards.shell import Output, Shell

lesson = Lesson(
    "cpas-12",
    title="UNIX: find the configuration file on a PACS server",
    version=1,
    minutes=90,
    objectives=[
        "find the configuration file that a service really reads, among copies, templates and links",
        "answer a question about ten thousand files with one line of commands",
        "change a configuration so that it can be undone, stays readable to its service and takes effect",
    ],
    covers=["find the configuration file on a PACS server with basic UNIX commands"],
    needs=["start"],
)

NOW = datetime.datetime(2025, 3, 31, 7, 15)              # the server's wall clock, an hour before the worklist was told of CTER01
ALLOWED = "/srv/hvmwl/site/allowed-aets.ini"
NAMED = "/etc/hvmwl/site/allowed-aets.ini"               # the same file, as mwld was told of it
LOG = "/var/log/hvmwl/mwl.log"
HOME = "/home/hvadmin/"
SECONDS = 20.0                                           # the most that a check of command lines takes
USERS = {
    "root": ("root",), "hvadmin": ("hvadmin", "adm", "hvpacs"), "hvpacs": ("hvpacs",), "hvmwl": ("hvmwl", "imaging"),
    "backup": ("backup",), "chrony": ("chrony",),
}
NUMBERS = {"root": 0, "adm": 4, "hvadmin": 1000, "hvpacs": 990, "hvmwl": 991, "backup": 992, "chrony": 993, "imaging": 995}
MWLD, HVPACSD, CHRONYD, CROND = 412, 2214, 622, 631      # the processes' numbers on hv-app1
RECORDED = {"df -B1 /var /archive/online1": "pacs df.txt", "du -sB1 /var": "pacs du.txt", "lsof +L1": "pacs lsof.txt"}
DATES = {                                                # of files whose content tells none; the rest is as old as the installation
    "/srv/hvpacs/conf/2025-02/pacs.conf": "2025-02-12 09:02", "/srv/hvpacs/conf/2025-02/aes.ini": "2025-03-29 16:20",
    "/srv/hvpacs/conf/2025-02/conf.d/10-aes.conf": "2025-02-17 10:02",
    "/srv/hvpacs/conf/2025-02/conf.d/20-listener.conf": "2025-02-12 09:10",
    "/srv/hvpacs/conf/2025-02/conf.d/25-tls.conf": "2025-02-17 10:05", "/srv/hvpacs/conf/2025-02/conf.d/30-commit.conf": "2025-03-12 16:40",
    "/srv/hvpacs/conf/current": "2025-02-12 09:15", "/srv/hvpacs/conf/2024-06/pacs.conf": "2024-06-11 14:31",
    "/etc/hvpacs/pacs.conf": "2024-06-11 14:40", "/etc/hvpacs/pacs.conf.bak": "2025-03-20 08:05",
    "/etc/hvpacs/pacs.conf.2019": "2019-05-06 11:12",
    "/home/hvadmin/pacs.conf.new": "2025-03-28 17:44", "/home/hvadmin/allowed-aets.ini.new": "2025-03-30 22:18",
    "/etc/hvmwl/site": "2024-09-02 10:20", "/etc/hvmwl/allowed-aets.ini.bak": "2025-03-29 15:02", ALLOWED: "2025-01-14 13:37",
    "/opt/hvmwl/share/allowed-aets.ini": "2025-03-27 02:30", "/etc/systemd/system/hvpacs.service.d/override.conf": "2024-06-11 14:45",
    "/etc/systemd/system/hvmwl.service": "2024-09-02 10:31",
}
INSTALLED = datetime.datetime(2024, 6, 11, 11, 20)
UNIT = """\
[Unit]
Description=HV modality worklist
After=network-online.target

[Service]
User=hvmwl
ExecStart=/opt/hvmwl/bin/mwld --port 11113 --allowed /etc/hvmwl/site/allowed-aets.ini
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure

[Install]
WantedBy=multi-user.target
"""
README = """\
mwld, the modality worklist server

Usage: mwld --port PORT --allowed FILE
FILE names the AE titles that may ask, one a line: TITLE = ADDRESS.
Titles are compared letter by letter. The file is read when the
server starts and when it gets the signal HUP (systemctl reload hvmwl),
never in between.
"""
PASSWD = """\
root:x:0:0:root:/root:/bin/bash
hvadmin:x:1000:1000:Imaging IT:/home/hvadmin:/bin/bash
hvpacs:x:990:990:HV PACS:/srv/hvpacs:/usr/sbin/nologin
hvmwl:x:991:991:HV worklist:/srv/hvmwl:/usr/sbin/nologin
backup:x:992:992:backup:/backup:/usr/sbin/nologin
chrony:x:993:993:clock:/var/lib/chrony:/usr/sbin/nologin
"""
NOTES = """\
2025-03-29 scanner in the ED updated, new AE title CTER01, old one CT_ER
2025-03-30 asked about the worklist, nobody knows where the list is
"""


class File(NamedTuple):
    """An entry of the server's tree, with the time of its last change."""

    path: str
    content: bytes
    mode: int
    owner: str
    target: str | None
    when: datetime.datetime


def text_file(path, text, mode=0o644, owner="root:root", when=INSTALLED):
    """A file of text."""
    return File(path, text.encode("utf-8"), mode, owner, None, when)


def changed_on(entry):
    """When a file of the hospital's tree was changed last: from a table, else from what stands in it."""
    if entry.path in DATES:
        return datetime.datetime.fromisoformat(DATES[entry.path])
    if entry.path.startswith("/var/spool/"):
        utc = datetime.datetime.fromisoformat(entry.content[entry.content.index(b"time=") + 5:][:19].decode())
        return utc + datetime.timedelta(hours=2 if utc >= datetime.datetime(2025, 3, 30, 1) else 1)
    if entry.path.startswith("/var/log/hvpacs/") and entry.path[-1] != "g":
        day = re.search(rb"2025-\d\d-\d\d", entry.content)[0].decode()
        return datetime.datetime.fromisoformat(f"{day} 23:59")
    return NOW.replace(minute=0) if entry.path.startswith(("/proc/", "/var/log/")) else INSTALLED


def own_files(timetable):
    """What the hospital's tree lacks: the worklist's unit, manual and timetable, programs, accounts, and things left at home."""
    saved_on_windows = "[allowed]\r\nCTER01 = 10.20.30.41\r\n"
    program = b"\x7fELF\x02\x01\x01" + bytes(57)
    groups = [f"{group}:x:{number}:" + ",".join(user for user, of in USERS.items() if group in of[1:]) + "\n"
              for group, number in sorted(NUMBERS.items(), key=lambda item: item[1])]
    return [
        text_file("/etc/group", "".join(groups)),
        text_file("/usr/lib/systemd/system/chronyd.service", "[Unit]\nDescription=NTP client/server\n\n[Service]\nUser=chrony\n"
                  "ExecStart=/usr/sbin/chronyd\n"),
        text_file("/usr/lib/systemd/system/crond.service", "[Unit]\nDescription=Command Scheduler\n\n[Service]\n"
                  "ExecStart=/usr/sbin/crond -n\n"),
        text_file("/etc/systemd/system/hvmwl.service", UNIT, when=datetime.datetime(2024, 9, 2, 10, 31)),
        text_file("/etc/cron.d/hvmwl", f"# the worklist's list, once a week\n{timetable} root systemctl reload hvmwl\n"),
        text_file("/opt/hvmwl/README", README), text_file("/etc/passwd", PASSWD), text_file("/etc/hostname", "hv-app1\n"),
        text_file("/usr/share/zoneinfo/Europe/Amsterdam", "TZif2"),
        File("/etc/localtime", b"", 0o777, "root:root", "/usr/share/zoneinfo/Europe/Amsterdam", INSTALLED),
        File("/opt/hvmwl/bin/mwld", program, 0o755, "root:root", None, INSTALLED),
        File("/opt/hvpacs/bin/hvpacsd", program, 0o755, "root:root", None, INSTALLED),
        text_file("/home/hvadmin/notes.txt", NOTES, owner="hvadmin:hvadmin", when=datetime.datetime(2025, 3, 30, 22, 20)),
        text_file("/home/hvadmin/allowed-aets.ini.new", saved_on_windows, owner="hvadmin:hvadmin",
                  when=datetime.datetime(2025, 3, 30, 22, 18)),
    ]


def session(files, recorded=(), mwld=MWLD, hvpacsd=HVPACSD):
    """Somebody of Imaging IT logged in at a server with these files; `mwld` and `hvpacsd` are the numbers of these two processes."""
    processes = [
        (1, "root", "Feb12", "/usr/lib/systemd/systemd"),
        (mwld, "hvmwl", "Feb12", "/opt/hvmwl/bin/mwld --port 11113 --allowed /etc/hvmwl/site/allowed-aets.ini"),
        (CHRONYD, "chrony", "Feb12", "/usr/sbin/chronyd"), (CROND, "root", "Feb12", "/usr/sbin/crond -n"),
        (hvpacsd, "hvpacs", "Mar26", "/opt/hvpacs/bin/hvpacsd --config /etc/hvpacs/pacs.conf"),
    ]
    services = {"hvpacs": hvpacsd, "hvmwl": mwld, "chronyd": CHRONYD, "crond": CROND}
    return Shell(files, USERS, "hvadmin", NOW, "hv-app1", processes, recorded, services, NUMBERS,
                 {"hvmwl": worklist_hears, "hvpacs": archive_hears})


def worklist_hears(shell, verb):
    """mwld reads its list again and writes a line into its log; while it is stopped it does neither."""
    if verb == "stop":
        return
    try:
        listed = shell.read(NAMED, "hvmwl").decode("utf-8", "replace")
        said = f"{sum(bool(address) for _, address in _entries(listed.encode()))} titles read from {NAMED}"
    except Exception as failed:  # the list is gone or closed: mwld goes on with what it knows
        said = f"cannot read {NAMED} ({getattr(failed, 'why', 'not found')})"
    log = shell.nodes.get(LOG)
    if log is not None and log.kind == "f":
        pid = shell.services["hvmwl"]
        line = f"{shell.now.isoformat()}+02:00 hv_mwl[{pid}] {'RELOAD' if verb == 'reload' else 'START'} {said}\n"
        shell.nodes[LOG] = log._replace(content=log.content + line.encode(), when=shell.now)


def archive_hears(shell, verb):
    """When the archive has ended no deleted file is open any more: the records of the disks change."""
    df, _, lsof = RECORDED
    if verb == "reload" or not shell.recorded.get(lsof):
        return
    held = sum(int(ghost.split()[6]) for ghost in shell.recorded[lsof].splitlines()[1:])
    found = re.search(r"(\S+ +\d+ +)(\d+)( +)(\d+) +\d+%( +/var)", shell.recorded[df])
    used, free = int(found[2]) - held, int(found[4]) + held
    row = f"{found[1]}{used:>{len(found[2])}}{found[3]}{free} {-(-100 * used // (used + free)):3d}%{found[5]}"
    shell.recorded = shell.recorded | {df: shell.recorded[df].replace(found[0], row), lsof: ""}


def unseen_servers(draw):
    """Two small servers of the same kind with other titles, other logs and other jobs: what a command must also be right for."""
    return [_small_server(draw) for _ in range(2)]


def _small_server(draw):
    titles = draw.sample([f"{kind}{number}" for kind in ("CT", "MR", "US_", "XA", "CR", "NM", "DX_", "RF") for number in range(3, 8)], 29)
    # More than the ten lines that `head` lets through, or twenty; one differs from another by case alone, one is long and has a hyphen.
    refused, once, known = ["CTER01", "CTer01", "US-VASC12", *titles[:18]], titles[18], titles[19:]
    mwld, hvpacsd = draw.sample(range(700, 9000), 2)
    allowed = "# AE titles that may ask for the worklist\n[allowed]\nCT_ER = 10.20.30.41\n" + "".join(
        [f"{title} = 10.20.30.{number}\n" for number, title in enumerate(known, 100)])
    files = [
        *own_files("10 4 * * 2"),
        text_file(ALLOWED, allowed, 0o640, "hvmwl:hvmwl"),
        File("/etc/hvmwl/site", b"", 0o777, "root:root", "/srv/hvmwl/site", INSTALLED),
        text_file("/etc/hvmwl/allowed-aets.ini.bak", allowed.replace("CT_ER", "CT1")),
        text_file("/opt/hvmwl/share/allowed-aets.ini", "[allowed]\nSAMPLE = 192.0.2.1\n"),
        text_file(f"/backup/{draw.randrange(2020, 2025)}/allowed-aets.{draw.randrange(10, 99)}", allowed),
        # Names that hold half of the word, and names that go on before or behind it.
        text_file("/srv/hvpacs/conf/aets.ini", "[CT3]\n"), text_file("/opt/hvpacs/share/allowed-hosts.txt", "10.20.30.0/24\n"),
        text_file("/srv/hvmwl/old-allowed-aets.txt", allowed), text_file("/var/tmp/allowed-aets-draft", "[allowed]\n"),
        text_file("/opt/hvmwl/share/allowed-aetitles.txt", "[allowed]\n"), text_file("/usr/local/share/myallowed-aets2.txt", allowed),
        # Far down, large, and more than ten in all.
        text_file("/srv/hvmwl/site/old/2023/05/12/allowed-aets.ini", allowed), text_file("/var/lib/hvmwl/allowed-aets.all", allowed * 9),
        text_file("/opt/hvmwl/share/allowed-aets.example", "[allowed]\n"), text_file("/etc/hvmwl/allowed-aets.ini.rpmsave", allowed),
        File(f"/proc/{mwld}/cmdline", b"/opt/hvmwl/bin/mwld\0--port\x0011113\0--allowed\0/etc/hvmwl/site/allowed-aets.ini\0", 0o444,
             "root:root", None, NOW),
        File(f"/proc/{hvpacsd}/cmdline", b"/opt/hvpacs/bin/hvpacsd\0--config\0/etc/hvpacs/pacs.conf\0", 0o444, "root:root", None, NOW),
        text_file("/etc/systemd/system/hvpacs.service", "[Service]\nUser=hvpacs\n"),
        text_file("/srv/hvpacs/conf/2025-02/conf.d/10-aes.conf", "aes = ../aes.ini\n", owner="hvpacs:hvpacs"),
        text_file(LOG, _log(draw, refused, once, known, mwld), 0o640, "hvmwl:adm"),
        text_file(LOG + ".1", "".join([f"2025-03-31T06:{number:02d}:00+02:00 hv_mwl[{mwld}] A-ASSOCIATE-RJ result=1 source=1 reason=3 "
                                       f"calling={title} not in allowed-aets\n" for number, title in enumerate(refused)]),
                  0o640, "hvmwl:adm"),
    ]
    places = draw.sample([f"{kind}{number}" for kind in ("WS_CH", "WS_MG", "WS_ED", "WS_OR", "HV_VNA") for number in range(1, 5)], 14)
    failures = [place for place, count in zip(places, [1, *draw.sample(range(2, 20), 11)]) for _ in range(count)]
    jobs = failures + [draw.choice(places) for _ in range(90)]
    order = list(range(len(jobs)))
    draw.shuffle(order)
    # Of the other jobs some were cancelled or forwarded, and some went well after a failure.
    others = ("CANCELLED", "OK\nearlier=FAILED, sent again", "OK", "OK", "FORWARDED")
    errors = ("connection timed out", "connection refused", "association rejected")
    for place, which in enumerate(order):
        # The first folder holds some of the failed jobs, never all; names go on from 09999 to 10000, folders from 99 to 100.
        number = place if place < 40 else 9920 + place
        state = f"FAILED\nerror={draw.choice(errors)}" if which < len(failures) else others[which % 5]
        lines = [f"job={number}", f"time=2025-03-30 0{number % 10}:00:00Z", f"dest={jobs[which]}", f"objects={draw.randrange(1, 400)}"]
        if draw.randrange(2):
            lines.insert(draw.randrange(2, 5), f"oldest=2025-03-{draw.randrange(10, 30)}")
        text = "\n".join([*lines, f"status={state}\n"])
        files.append(text_file(f"/var/spool/hvpacs/done/{number // 100:02d}/{number:05d}.job", text, 0o640, "hvpacs:hvpacs"))
    return session(files, mwld=mwld, hvpacsd=hvpacsd)


def _log(draw, refused, once, known, pid):
    """A day of the worklist's log: each refused caller comes several times, one once, and never twice in a row.

    Some that are in the list are refused as well, for other reasons (PS3.8 section 9.3.4): one calls the server by a wrong title (7), one
    comes while it has too much to do (rejected for now, by the provider), one with another version of the protocol.
    """
    lines = []
    for turn in range(draw.randrange(3, 7)):
        if turn:
            title, reason = (once, "3 calling={} not in allowed-aets") if turn == 1 else (known[0], "7 calling={} called=HV_WORKLIST")
            lines.append(f"A-ASSOCIATE-RJ result=1 source=1 reason={reason.format(title)}")
        lines += [f"A-ASSOCIATE-RJ result=2 source=3 reason=1 calling={known[1]} temporary congestion",
                  f"A-ASSOCIATE-RJ result=1 source=2 reason=2 calling={known[2]} protocol version"] if turn == 1 else []
        for title in refused[turn % 2:]:
            lines.append(f"A-ASSOCIATE-RJ result=1 source=1 reason=3 calling={title} not in allowed-aets")
            lines += [f"A-ASSOCIATE-AC calling={draw.choice(known)} called=HV_MWL", f"C-ECHO {draw.choice(known)} status=0000"]
            lines += [f"C-FIND {draw.choice(known)} matches={draw.randrange(4)} status=0000" for _ in range(14)]
    start = datetime.datetime(2025, 4, 1, 6, 0)
    return "".join([f"{(start + datetime.timedelta(seconds=36 * number)).isoformat()}+02:00 hv_mwl[{pid}] {line}\n"
                    for number, line in enumerate(lines)])


# ---- kinds of answer of this lesson


class PathOf(Text):
    """An absolute path; what `sh` printed is as good as its text.

    beside : dict from the names of other files in the same folder to a sentence about each
    known  : dict from other paths to a sentence about each
    """

    takes = "a path"

    def __init__(self, variables, beside=(), known=()):
        super().__init__(variables, case=True, reading=absolute)
        self.beside = dict(beside)
        self.known = dict(known)

    def read(self, given):
        """The path."""
        return super().read(given.text if is_a(given, Output) else PurePath.as_posix(given) if is_a(given, PurePath) else given)

    def difference(self, answer, other):
        """None when the paths agree."""
        difference = super().difference(answer, other)
        if difference and answer in self.known:
            return Difference(self.known[answer], "known")
        if difference is None or difference.label == "case" or posixpath.dirname(answer) != posixpath.dirname(other):
            return difference
        return Difference(self.beside.get(posixpath.basename(answer), "The folder is right, the file is not."), "beside")


def absolute(value):
    """A path from the root on, without quotes, doubled slashes, and folders that are left again by `..`."""
    text = value.strip().strip("'\"`").strip() if isinstance(value, str) else ""
    if not text.startswith("/") or "\n" in text:
        raise ValueError("give one whole path, from the root `/` on")
    return posixpath.normpath(re.sub("/+", "/", text))


class Names(Set):
    """Names out of `listing`, in which case counts; the first that is wrong is told by the letters of its line."""

    groups = ("hvmwl", "imaging")

    def _one(self, item):
        text = read_text(item[0] if type(item) is list and len(item) == 1 else item, item)
        return text.split()[-1] if re.match(r"[-dl][-rwxtT]{9} ", text) else text.removeprefix("./")        # a whole line of the listing

    def difference(self, answer, other):
        """None when both hold the same names."""
        folded = [value.casefold() for value in other]
        for value in answer:
            if value not in other and value.casefold() in folded:
                return Difference(f"`{value}`: on UNIX upper and lower case differ. No file in the listing is called so.", "case")
        return super().difference(answer, other)

    def judge(self, exercise, given, editions):
        """As for every Set, but with a reason for the first wrong name."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label not in ("extra", "missing"):
            return verdict
        answer, right = self.read(*given), self._computed(exercise, exercise.solution, editions)
        rows = {line.split()[-1]: line.split() for line in exercise.lesson.input_of("listing", editions.own).splitlines()}
        extra = [name for name in answer if name not in right]
        if extra and extra[0] not in rows:
            message = f"`{extra[0][:60]}` is not the name of a file in the listing."
        elif extra:
            message = f"`{extra[0]}` does not belong there. {self._extra(*rows[extra[0]][:4])}"
        else:
            message = "What you have is right, but it is not all. " + self._missing(rows, [name for name in right if name not in answer])
        return Verdict(verdict.outcome, message, verdict.label)

    def _extra(self, mode, links, owner, group):
        if owner == "hvmwl":
            return "hvmwl is its owner: the first three letters count, and those alone. Is there an `r` in them?"
        if group in self.groups:
            return "hvmwl is not its owner but belongs to its group: the middle three letters count, whatever all others may."
        return "hvmwl is neither its owner nor in its group: the last three letters count. Is there an `r` in them?"

    def _missing(self, rows, names):
        owners = {rows[name][2] for name in names}
        groups = {rows[name][3] for name in names}
        if "hvmwl" in owners:
            return "Look again at the files of which hvmwl is the owner."
        if groups & set(self.groups):
            return "Look again at the files that belong to one of hvmwl's two groups: for those the middle three letters count."
        return "Look again at the files that belong to neither hvmwl nor its groups: all others may read some of them."


class Exactly(Number):
    """A number to its last digit, which is told when it was rounded."""

    def difference(self, answer, other):
        """None when the numbers are equal."""
        difference = super().difference(answer, other)
        if difference and difference.label == "close":
            return Difference("It is close: rounded on the way, or mistyped. Give it in bytes, with all the digits that the output has.",
                              "rounded")
        return difference


class Moment(Text):
    """A day and a time of day, of which each is told by itself."""

    def difference(self, answer, other):
        """None when day and time agree."""
        day, time = [one == another for one, another in zip(answer.split(), other.split(), strict=True)]
        if day and time:
            return None
        if day:
            return Difference("The day is right. The time is not: the first field is the minute, the second the hour, on the server's "
                              "own clock.", "time")
        if answer[:4] != other[:4]:
            return Difference(f"It is the year {other[:4]}.", "year")
        if answer < f"{NOW:%Y-%m-%d %H:%M}":
            return Difference("That is over already: it is Monday 31 March 2025, 07:15.", "past")
        if time:
            return Difference("The time is right. The day is not: which weekday stands in the fifth field, and when does it come "
                              "next?", "day")
        return Difference("Neither day nor time fit the timetable. Read its five fields one by one.", "value")


class CommandLine(Text):
    """Command lines as text, carried out on copies of the learner's server and of servers that the learner has not seen.

    result : 'paths' or 'counts': what the lines of the output are compared as, in any order
    what   : for counts, what is counted, as a word: 'title'

    The exercise's `signs` tell wrong ways with the same output apart: a way with signs needs one of them in the learner's text.
    """

    takes = "a command line, as text between quotes"

    def __init__(self, variables, result="paths", what=""):
        super().__init__(variables, case=True)
        self.result = result
        self.what = what

    def read(self, given):
        """The text, without the prompt that was copied with it."""
        if is_a(given, Output):
            raise Unreadable("You gave what a command printed. This exercise takes the command itself: leave out `sh(` and the bracket "
                             "at the end.")
        value = plain(given)
        value = "\n".join(value) if type(value) is list and value and all(type(line) is str for line in value) else value
        if type(value) is not str:
            raise Unclear(describe(given))
        if not value.strip():
            raise Unclear("empty text")
        if re.match(r"\s*sh\(", value):
            raise Unreadable("Leave out `sh(` and its bracket: the command alone is the answer, between quotes.")
        return re.sub(r"^\s*(?:\w+@[\w-]+:[^\s$]*)?\$ ", "", value, flags=re.MULTILINE)

    def judge(self, exercise, given, editions):
        """The verdict: on the learner's own server first."""
        try:
            text = self.read(*given)
        except Unclear as unclear:
            return Verdict(Outcome.NOT_YET, unclear.sentence(self.takes), "unreadable")
        servers = self._servers(exercise, editions.own)
        outputs = in_time([lambda server=server: carried_out(server, text) for server in servers])
        if outputs is None:
            return Verdict(Outcome.NOT_YET, TOO_LONG, "time")
        got = [self._result(*output) for output in outputs]
        right = [self._reference(exercise, exercise.solution, editions.own, place) for place in range(len(servers))]
        wrong = [place for place, (a, b) in enumerate(zip(got, right, strict=True)) if a != b]
        if not wrong:
            return Verdict(Outcome.CORRECT, exercise.praise, "correct", exercise.points)
        # A command that fails and prints nothing is told what failed: several wrong ways print nothing either.
        if got[0] or not failed_lines(outputs[0][0]):
            way = signed(exercise, text, [way for way in exercise.wrong_ways if self._same(exercise, way, got, editions.own)])
            if way:
                return Verdict(Outcome.NOT_YET, exercise.wrong_ways[way], way.__name__)
        return self._not_yet(*outputs[wrong[0]], got[wrong[0]], right[wrong[0]], only_there=wrong[0] > 0)

    def _servers(self, exercise, hospital):
        import random

        unseen = exercise.remembered("cases", hospital, lambda: exercise.cases(random.Random(f"{exercise.name} {hospital.seed}")))
        return [exercise.lesson.input_of("server", hospital), *unseen]

    def _reference(self, exercise, function, hospital, place):
        """What the solution or a wrong way gives on one of the servers."""
        def compute():
            text = self.read(exercise.computed(function, hospital))
            return self._result(*carried_out(self._servers(exercise, hospital)[place], text))
        return exercise.remembered((self, function, place), hospital, compute)

    def _same(self, exercise, way, got, hospital):
        """Whether a wrong way gives the same. The unseen servers come first: they are small, and one that differs settles it."""
        return all(got[place] == self._reference(exercise, way, hospital, place) for place in reversed(range(len(got))))

    def _form(self, line, here):
        return _path(line, here) if self.result == "paths" else _count(line)

    def _result(self, output, here):
        """The lines of an output in the form that is compared, sorted."""
        return sorted([self._form(line, here) for line in output.lines if line.strip()], key=repr)

    def _not_yet(self, output, here, got, right, only_there):
        if not got:
            said = complaint(output) or " Nothing was found, or what was found went nowhere."
            there = "On hv-app1 the output is right. On another server of the same kind your command prints nothing: is something in it "
            there += "only true here?"
            return Verdict(Outcome.NOT_YET, there if only_there else f"Your command prints nothing.{said}", "nothing")
        where = "On hv-app1 the output is right, on another server of the same kind not. Is something in your command only true here? "
        where = where + "There, " if only_there else ""
        extra = [line for line in output.lines if line.strip() and self._form(line, here) not in right]
        label = "value"
        told = self.result == "counts" and extra and _not_counted(output.lines, extra[0], right, self.what)
        if told:
            label, text = told
        elif extra and self.result == "counts" and all(_bare(line, right) for line in output.lines if line.strip()):
            label, text = "no number", f"the line `{extra[0].strip()[:100]}` has no number. How often does each {self.what} come?"
        elif extra and self.result == "counts" and _other_field(got, right):
            label, text = "another field", (
                f"what your command counts is no {self.what}: its first line is `{extra[0].strip()[:100]}`. Look at one of the lines "
                f"and see where the {self.what} stands in it.")
        elif extra:
            text = f"the line `{extra[0].strip()[:100]}` does not belong in the output."
        elif len(got) > len(right):
            text = "some lines are there more than once."
        else:
            text = f"something is missing: your command prints {len(got)} line{'s' * (len(got) != 1)}, which do belong there."
        return Verdict(Outcome.NOT_YET, (where + text)[:1].upper() + (where + text)[1:], label)


TOO_LONG = f"Your command did not come to an end within {SECONDS:.0f} seconds. Is there an expression in it that can be made simpler?"


def in_time(calls):
    """What the calls return, or None when they take too long."""
    ran = running.run_all(calls, SECONDS)
    if ran.stopped == "error":
        raise RuntimeError(ran.error)
    return None if ran.stopped else ran.returned


def signed(exercise, text, ways):
    """Of wrong ways with the same outcome the one that fits what was typed; None when each of them has signs and none is there."""
    of = {way: [sign for sign, other in exercise.signs.items() if other is way] for way in ways}
    fitting = [way for way in ways if any(re.search(sign, text) for sign in of[way])]
    return next(iter(fitting + [way for way in ways if not of[way]]), None)


def failed_lines(output):
    """The lines of standard error, but for those of a search that only tell which folders are closed to the learner."""
    return [line for line in output.errors.strip().splitlines() if not re.fullmatch(r"(find|ls): .*Permission denied", line)]


def complaint(output):
    """The first line of standard error as a sentence for the learner, or ""."""
    lines = failed_lines(output)
    return f' Its first complaint: "{lines[0][:160]}".' if lines else ""


def carried_out(server, text):
    """What command lines print on a copy of a server, and the folder in which they end."""
    copy = server.copy()
    output = copy.sh(text)
    return output, copy.here


def _path(line, here):
    line = line.strip().strip("'\"")
    long = re.fullmatch(r"[-dl][-rwxtT]{9} +\d+ .*? (\.{0,2}/.*?)(?: -> .*)?", line)        # a line of `ls -l` or of `find -ls`
    line = long[1] if long else line
    return posixpath.normpath(posixpath.join(here, line)) if line.startswith(("./", "../")) else re.sub("/+", "/", line)


def _count(line):
    """(number, name) of a line such as '  8 calling=CTER01', 'CTER01 8' or 'CTER01: 8'; another line as it stands."""
    match = re.fullmatch(r"\s*(?P<count>\d+)[\s:,;]+(?:\S*[=:])?(?P<name>[\w-]+)\s*", line) or re.fullmatch(
        r"\s*(?:\S*[=:])?(?P<name>[A-Za-z][\w-]*)[\s:,;=]+(?P<count>\d+)\s*", line)
    if not match:
        return " ".join(line.split())
    return int(match["count"]), match["name"]


def _bare(line, right):
    """Whether a line is one of the right names without its number."""
    return not re.match(r"\s*\d+\s", line) and re.sub(r".*[=:]", "", line.strip()) in [one[1] for one in right]


def _not_counted(lines, first, right, what):
    """(label, what is wrong) with lines that should be counts, of which `first` does not belong; None when it is none of these."""
    names, numbers = {one[1] for one in right}, {one[1]: one[0] for one in right}
    shown = f"`{first.strip()[:100]}`"
    if [line.strip().isdigit() for line in lines if line.strip()] == [True]:
        return "one number", f"that is one number for all that your command lets through. Asked is a number for each {what}."
    front = re.search(r"/[\w.-]+[:-](?:\S*=)?([\w-]+)\s*$", first)
    if front and front[1] in names:
        return "names in front", f"a file's name stands in front, so that no two lines are equal: {shown}. `grep -h` leaves the names out."
    if re.search(r"(^|\s)/?[\w.-]+(/[\w.-]+)+", first):
        return "file names", (f"what your command prints are names of files, the first {shown}. Which {what} each of them is about "
                              "stands *in* the file: look into these files next.")
    form = _count(first)
    if isinstance(form, tuple) and form[1] in numbers:
        return "number", f"the {what} of the line {shown} is right, its number is not."
    behind = re.fullmatch(r"\s*(?:\d+\s+)?(?:\S*[=:])?([\w-]+)\s+\S.*", first)
    if behind and behind[1] in names:
        return "more behind", f"behind the {what} more of the line is left: {shown}. Cut out the {what} alone, then count."
    return None


def _other_field(got, right):
    """Whether the lines are counted, and none of what they count is what was asked."""
    names = [one[1] if isinstance(one, tuple) else one.partition(" ")[2] for one in got]
    counted = all(isinstance(one, tuple) or re.match(r"\d+ \S+$", one) for one in got)
    return counted and not {re.sub(r".*[=:]", "", name) for name in names} & {one[1] for one in right}


class Effects(NamedTuple):
    """What command lines did to the worklist's list: each part "" where it is as it should be, else a word for what is wrong."""

    entry: str
    access: str
    others: str
    harm: str
    copy: str
    told: str


WRONG_EFFECTS = {
    "gone": "Behind the last of your commands the list is no longer where mwld looks for it.",
    "emptied": "The entries that were in the list are gone: no device may ask for the worklist any more.",
    "replaced": "The list has been replaced by another one, with a heading and the scanner alone: no other device gets a worklist any "
    "more. The scanner's line was to be added to the list that is there.",
    "as comment": "The scanner's line went in behind a `#`: that makes it a comment, and mwld passes over it.",
    "crlf all": "All lines of the list end as on Windows now, with a carriage return, which `cat -A` shows as ^M. One line was to be "
    "added, nothing else changed.",
    "crlf": "The list now has lines that end as on Windows, with a carriage return. mwld would take it for part of the address. `cat -A` "
    "shows it as ^M.",
    "renamed": "The entry of CT_ER has become the scanner's: the old one is gone. It was to stay until the vendor confirms that "
    "nothing uses it.",
    "deleted": "The entry of CT_ER was removed. It was to stay until the vendor confirms that nothing uses it.",
    "commented": "The entry of CT_ER has become a comment, so it counts no more. It was to stay as it is until the vendor confirms that "
    "nothing uses it.",
    "lost": "Entries that were in the list are gone. One line was to be added, nothing else.",
    "altered": "A line that was in the list reads differently now. One line was to be added, nothing else changed.",
    "order": "The lines of the list stand in another order now. Nobody can see any more in a glance what was changed.",
    "unchanged": "The list that mwld reads has not changed. Look at what your commands print: each one that fails says so.",
    "twice": "The new line is there more than once.",
    "outside": "The new line does not stand in the part [allowed].",
    "comment lost": "A comment that was in the list is gone or reads differently. One line was to be added, nothing else changed.",
    "more": "The scanner's line is there, and more than that was added. One line was to be added, nothing else.",
    "no address": "The title is in the list now, but without an address: TITLE = ADDRESS, as the other lines have it.",
    "address": "The title is in the list now, but with another address than the scanner's.",
    "other": "A line was added to the list, but it is not the scanner's: TITLE = ADDRESS, as the other lines have it, with the title "
    "letter by letter.",
    "form": "Title and address are right, but the line is not written as the others are: look at the blanks. Some programs forgive that, "
    "some do not; nobody need find out.",
    "blanks": "Title and address are right, but there are blanks before or behind them that nobody sees. `cat -A` shows where the "
    "line ends.",
    "no end": "The last line of the list has no line end. Whoever adds the next entry with `>>` writes it into the same line.",
    "blank": "There is an empty line more than before. One line was to be added, nothing else.",
    "comment": "There is a comment more than before. What was done and why belongs in the change log; here one line was to be added.",
    "mine": "The list belongs to you now. mwld runs as hvmwl and may be kept from its own list; owner and mode were to stay.",
    "shut": "The list belongs to somebody else now, and mwld, which runs as hvmwl, may not read it any more.",
    "owner": "The list has another owner or group now. Whoever adds a line has no need to touch them.",
    "owner lost": "The owner may not read the list any more. That is hvmwl, as which mwld runs: it cannot read its own list.",
    "others write": "Now every account on the server may rewrite the list of who may ask for patients' names: that is the last of the "
    "three digits.",
    "others read": "Now every account on the server may read the list: the last of the three digits gives the right to all others. Before, "
    "they had none.",
    "group writes": "The group may write now, where before it could only read. Whoever adds a line has no need to touch the permissions.",
    "group lost": "The group has lost its right to read the list. Whoever adds a line has no need to touch the permissions.",
    "mode": "The permissions of the list have changed. Whoever adds a line has no need to touch them.",
    "open for a moment": "In the end the permissions are as before, but for a moment every account could rewrite the list. `sudo` before "
    "the command that writes makes that needless.",
    "archive": "Your commands stop the archive as well: that breaks off every association that is open, images on their way with it, and "
    "the archive has nothing to do with this list. Tell only the service that reads the file.",
    "service": "Your commands stop or restart a service that has nothing to do with the list. Tell only the one that reads it.",
    "stopped": "You stopped mwld and did not start it again: nobody gets a worklist now.",
    "loaded": "You put a file into the archive's `conf.d`. The archive reads all that lies there at its next start, your copy too: keep it "
    "elsewhere.",
    LOG: "You emptied or changed mwld's log. In it stands who was refused and when: that is what shows whether the change worked.",
    "no copy": "There is no copy of the list as it was. If the new line is wrong, nobody can go back.",
    "copy too late": "There is a copy, but it was made after the change: it holds the new list, not the one to go back to.",
    "not told": "The list on the disk is right, and mwld does not know: it reads its file when it starts and when it is told to. The "
    "README says how.",
    "too early": "mwld was told to read its list before the new line was in it.",
}
RESTARTED = " You restarted mwld. A reload does the same and breaks off nothing: whoever is just asking gets an answer."
SEEN = (" One thing more: every account can read `{}`, in which all the titles stand. The list itself is closed to others; `cp -p` "
        "keeps its mode.")
FAILED = " One thing more: not every line worked."
UNPROVED = " One thing more: `diff` of copy and list shows in a second that one line was added and nothing else."


class Change(CommandLine):
    """Command lines that change a file; judged by what they leave behind. Of the wrong ways the first with the same effects counts.

    places : dict from another file to the wrong way that changes it in place of the list
    """

    takes = "command lines, as text between quotes"

    def __init__(self, variables, places=()):
        super().__init__(variables)
        self.places = dict(places)

    def judge(self, exercise, given, editions):
        """The verdict."""
        try:
            text = self.read(*given)
        except Unclear as unclear:
            return Verdict(Outcome.NOT_YET, unclear.sentence(self.takes), "unreadable")
        found = in_time([lambda server=server: effects_of(server, text) for server in self._servers(exercise, editions.own)])
        if found is None:
            return Verdict(Outcome.NOT_YET, TOO_LONG, "time")
        for place, (output, effects, *_) in enumerate(found):
            if not any(effects):
                continue
            said = complaint(output).replace("Its first complaint", "The first complaint was")
            so_far = found[:place + 1]
            way = signed(exercise, text, [way for way in exercise.wrong_ways if self._alike(exercise, way, so_far, editions.own)])
            if way:
                same = output.errors == self._way_effects(exercise, way, editions.own, place)[0].errors
                return Verdict(Outcome.NOT_YET, exercise.wrong_ways[way] + ("" if same else said), way.__name__)
            worst = next(part for part in effects if part)
            if worst == "unchanged" and effects.others in self.places:
                way = next(way for way in exercise.wrong_ways if way.__name__ == self.places[effects.others])
                return Verdict(Outcome.NOT_YET, exercise.wrong_ways[way] + said, way.__name__)
            other = f"Your commands changed or removed `{worst}`, which is not the list."
            there = "On hv-app1 all is well, on another server of the same kind not. Is something in your commands only true here? "
            message = "There nothing was added to the list." if place and worst == "unchanged" else WRONG_EFFECTS.get(worst, other)
            return Verdict(Outcome.NOT_YET, there * (place > 0) + message + said, worst)
        output, _, restarted, seen = found[0]
        praise = exercise.praise + RESTARTED * restarted + (SEEN.format(seen[:80]) if seen else "")
        praise += FAILED + complaint(output).replace("Its first complaint", "The first complaint was") if failed_lines(output) else ""
        praise += UNPROVED * (re.search(r"\b(diff|cmp)\b", text) is None)
        return Verdict(Outcome.CORRECT, praise, "correct", exercise.points)

    def _alike(self, exercise, way, found, hospital):
        """Whether a wrong way had the same effects on the servers so far."""
        return all(self._way_effects(exercise, way, hospital, place)[1] == one[1] for place, one in enumerate(found))

    def _way_effects(self, exercise, way, hospital, place):
        def compute():
            return effects_of(self._servers(exercise, hospital)[place], exercise.computed(way, hospital))
        return exercise.remembered((self, way, place), hospital, compute)


def effects_of(server, text):
    """What command lines do to a copy of a server.

    (Output, Effects, whether mwld was restarted, a new file in which all can read the list or "")
    """
    after = server.copy()
    output = after.sh(text)
    old, new = server.nodes[ALLOWED], after.nodes.get(ALLOWED)
    touched = [path for path, node in server.nodes.items() if path != ALLOWED and not path.startswith("/proc/")
               and _changed(node, after.nodes.get(path), path == LOG or path.startswith(HOME))]
    try:
        reached = after.real(NAMED) == ALLOWED
    except Exception:  # a link that leads nowhere now
        reached = False
    made = {path: node for path, node in after.nodes.items() if path not in server.nodes and node.kind == "f"}
    fresh = list(made.values())
    shown = [path for path, node in made.items() if node.mode & ~old.mode & 0o004 and node.content.startswith(old.content)]
    copies = [node for node in fresh if node.content == old.content]
    late = [node for node in fresh if new is not None and node.content == new.content != old.content]
    told = [(verb, nodes.get(ALLOWED)) for service, verb, nodes in after.told if service == "hvmwl"]
    entry = "gone" if new is None or new.kind != "f" or not reached else entry_of(old.content, new.content)
    heard = bool(told) and new is not None and told[-1][1] is not None and told[-1][1].content == new.content
    others = {service for service, *_ in after.told} - {"hvmwl"}
    harm = ("archive" if "hvpacs" in others else "service" if others else "stopped" if told and told[-1][0] == "stop" else
            "loaded" if any(re.match(r"/srv/hvpacs/conf/[^/]+/conf\.d/", path) for path in made) else "")
    effects = Effects(
        entry, access_of(after, old, new), touched[0] if touched else "", harm,
        "" if copies else "copy too late" if late else "no copy", "" if heard else "too early" if told else "not told")
    return output, effects, any(verb in ("restart", "start") for verb, _ in told), shown[0] if shown else ""


def _changed(old, new, may_grow):
    """Whether a file or folder is gone, or differs in what it holds, whose it is and who may read it.

    A log and the learner's own notes may grow, and what was saved on Windows may lose its carriage returns.
    """
    if new is None or new is old:
        return new is None
    if may_grow and new.content.replace(b"\r", b"").startswith(old.content.replace(b"\r", b"")):
        new = new._replace(content=old.content)
    return old[:5] + old[6:] != new[:5] + new[6:]


def access_of(server, old, new):
    """What became of the list's owner and permissions: "" when they are as before and were so all the time, else a word."""
    if new is None:
        return ""
    if (new.owner, new.group) != (old.owner, old.group):
        return "mine" if new.owner == server.user else "owner" if server.may(new, "hvmwl", "r") else "shut"
    lost, gained = old.mode & ~new.mode, new.mode & ~old.mode
    if not lost | gained:
        return "open for a moment" if ALLOWED in server.opened else ""
    kinds = ((lost & 0o400, "owner lost"), (gained & 0o002, "others write"), (gained & 0o004, "others read"),
             (gained & 0o020, "group writes"), (lost & 0o040, "group lost"))
    return next((word for bits, word in kinds if bits), "mode")


def entry_of(old, new):
    """What became of the list's entries: "" when the scanner's line was added to [allowed] and nothing else changed."""
    before, after = _entries(old), _entries(new)
    lost = [line for line in before if line not in after]
    added = list(after)
    for line in before:
        if line in added:
            added.remove(line)
    wanted = ("CTER01", "10.20.30.41")
    if lost:
        return _lost(before, after, lost, new, wanted)
    if not added:
        return "as comment" if re.search(rb"(?m)^\s*[#;]+\s*CTER01", new) else "unchanged"
    if b"\r" in new:
        return "crlf all" if b"\r" in new.partition(b"\n")[0] else "crlf"
    if added == [wanted, wanted]:
        return "twice"
    if added == [(wanted[0], "")]:
        return "no address"
    if added != [wanted]:
        return "more" if wanted in added else "address" if [line[0] for line in added] == [wanted[0]] else "other"
    if after.index(wanted) < after.index(("[allowed]", "")):
        return "outside"
    return _form(_lines(old), _lines(new), " = ".join(wanted)) or ("" if new.endswith(b"\n") else "no end")


def _lost(before, after, lost, new, wanted):
    titles = [line[0] for line in lost]
    if len(lost) > 1 and len(after) <= 2:
        return "replaced" if after == [("[allowed]", ""), wanted] else "emptied"
    if titles != ["CT_ER"]:
        return "altered" if set(titles) <= {line[0] for line in after} else "lost"
    if re.search(rb"(?m)^\s*[#;]\s*CT_ER", new):
        return "commented"
    place = before.index(lost[0])
    taken = after[place][0] if place < len(after) else ""
    return {"CT_ER": "altered", "CTER01": "renamed"}.get(taken, "deleted")


def _form(before, after, wanted):
    """What is wrong with the lines as they are written, when their entries are right."""
    line = next(line for line in after if _entries(line.encode()) == _entries(wanted.encode()))
    rest = list(after)
    rest.remove(line)
    if line != wanted:
        return "blanks" if line.strip() == wanted else "form"
    if rest == before:
        return ""
    more = [line for line in rest if line not in before or rest.count(line) > before.count(line)]
    if any(line.startswith("#") and rest.count(line) < before.count(line) for line in before):
        return "comment lost"
    if any(line.strip().startswith("#") for line in more):
        return "comment"
    return "blank" if more and not "".join(more).strip() else "altered" if more else "order"


def _lines(content):
    lines = content.decode("utf-8", "replace").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _entries(content):
    """The lines of a list as (title, address), comments and empty lines left out."""
    lines = [line.strip() for line in content.decode("utf-8", "replace").splitlines()]
    return [(line.partition("=")[0].strip(), line.partition("=")[2].strip()) for line in lines if line and not line.startswith("#")]


MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def moment(value):
    """A day and time of day in one form, '2025-04-03 02:10', from what a person may write: of two numbers the first is the day.

    What is marked as UTC is put on the server's clock.
    """
    text = " ".join(value.replace(",", " ").split()).casefold() if isinstance(value, str) else ""
    text = re.sub(r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:mon|tue|wed|thu|fri|sat|sun)\b\.?|\b(?:on|at|cest)\b", " ", text)
    text = re.sub(r"^\s*([a-z]{3,} \d\d?) ([\d:]+) (20\d\d)$", r"\1 \3 \2", " ".join(text.split()))       # as `date` prints it
    years = re.findall(r"\b20\d\d\b", text)
    year = years[0] if len(years) == 1 else "2025"
    text = text.replace(year, "2025")
    word = "(?P<word>[a-z]{3})[a-z]*\\.?"
    day = r"(?:2025[-/.](?P<m1>\d\d?)[-/.](?P<d1>\d\d?)|(?P<d2>\d\d?)[./](?P<m2>\d\d?)[./]2025|" \
        rf"(?P<d3>\d\d?)(?:st|nd|rd|th)?\.? {word} 2025|" \
        rf"{word.replace('word', 'first')} (?P<d4>\d\d?)(?:st|nd|rd|th)? 2025)"
    zone = r"(?:h|\+02:00|(?P<utc> ?(?:z|utc|gmt|\+00:00)))?"
    match = re.fullmatch(rf"\s*{day}(?:t|\s+)\s*(?P<hour>\d\d?)[:.](?P<minute>\d\d)(?:[:.]\d\d)?\s*(?P<half>[ap]m)?{zone}\s*",
                         " ".join(text.split()))
    name = match and (match["word"] or match["first"])
    if not match or name and name not in MONTHS:
        raise ValueError("write the day and the time as in 2025-12-24 18:30")
    month = MONTHS.index(name) + 1 if name else int(match["m1"] or match["m2"])
    number = int(match["d1"] or match["d2"] or match["d3"] or match["d4"])
    hour = int(match["hour"]) if not match["half"] else int(match["hour"]) % 12 + 12 * (match["half"] == "pm")
    when = f"{year}-{month:02d}-{number:02d} {hour:02d}:{match['minute']}"
    return f"{datetime.datetime.fromisoformat(when) + datetime.timedelta(hours=2):%Y-%m-%d %H:%M}" if match["utc"] else when


# ---- inputs


@lesson.input
def server(hospital):
    """A session at hv-app1, the server of archive and worklist, on Monday 31 March 2025, 07:15."""
    said = hospital.servers.transcripts
    recorded = {line: said[name].partition("\n")[2] for line, name in RECORDED.items()}
    files = [File(entry.path, entry.content, entry.mode, entry.owner, entry.target, changed_on(entry)) for entry in hospital.servers.tree()]
    timetable = timetable_of(hospital.seed)
    listed = next(file.content for file in files if file.path == ALLOWED)
    files = [file._replace(content=_with_readings(file.content, timetable, listed)) if file.path == LOG else file for file in files]
    return session([*files, *own_files(timetable)], recorded)


def _with_readings(log, timetable, listed):
    """The worklist's log with the lines that mwld wrote whenever cron made it read its list; `listed` is what stood in the list."""
    minute, hour, *_, weekday = map(int, timetable.replace("*", "0").split())
    titles = sum(bool(address) for _, address in _entries(listed))
    lines = log.decode("utf-8").splitlines(keepends=True)
    days = [datetime.date(2025, 3, day) for day in range(9, 30)]             # winter time all along, and no earlier than the log
    lines += [f"{day}T{hour:02d}:{minute:02d}:01+01:00 hv_mwl[{MWLD}] RELOAD {titles} titles read from {NAMED}\n"
              for day in days if day.isoweekday() % 7 == weekday]
    return "".join(sorted(lines, key=lambda line: datetime.datetime.fromisoformat(line.split()[0]))).encode("utf-8")


def timetable_of(seed):
    """When cron makes the worklist read its list: on Thursday, Friday or Saturday, between 02:00 and 05:22."""
    draws = Draws(seed, "cpas-12 cron")
    hour = draws.one(2, 4)
    return f"{draws.one(6, 22)} {hour} * * {draws.one(4, 6)}"


@lesson.input
def listing(hospital):
    """What `ls -l` printed of a folder that several services share."""
    draws = Draws(hospital.seed, "cpas-12 listing")
    names = ["aes.ini", "calendar.txt", "destinations.xml", "holidays.csv", "labels.txt", "modalities.ini", "printers.conf", "rooms.csv",
             "sites.yaml", "stations.txt", "units.csv", "views.ini"]
    kinds = [("rw-r-----", "hvmwl", "hvmwl"), ("rw-r-----", "root", "hvmwl"),
             ("rw-rw----", "root", "imaging"), ("rw-r--r--", "root", "root"),
             ("rw-------", "root", "root"), ("rw-r-----", "root", "adm"), ("-w-r--r--", "hvmwl", "hvmwl"), ("rw----r--", "root", "hvmwl"),
             ("rw-------", "hvpacs", "hvpacs"), ("rw-r--r--", "hvpacs", "hvpacs")]
    order = sorted(range(len(kinds)), key=lambda place: draws.one(0, 10**6) * 100 + place)
    names = sorted(sorted(names, key=lambda name: (draws.one(0, 10**6), name))[:len(kinds)])
    rows = []
    for name, place in zip(names, order):
        mode, owner, group = kinds[place]
        rows.append(f"-{mode} 1 {owner:<6} {group:<7} {draws.one(200, 9000):4d} Mar {draws.one(10, 28)} "
                    f"{draws.one(7, 17):02d}:{draws.one(10, 59)} {name}")
    return "\n".join(rows)


# ---- exercises


@lesson.exercise
class FindTheLists:
    """Nobody knows where the worklist keeps its list of allowed AE titles. The vendor remembers part of the file's name:
    `allowed-aets`.

    Write **one command** that prints the path of every file on the whole server that has `allowed-aets` in its name.
    """

    answer = CommandLine("find_lists")
    cases = unseen_servers

    def solution():
        return "find / -name '*allowed-aets*'"

    def exact_name():
        return "find / -name allowed-aets"

    def one_ending():
        return "find / -name '*allowed-aets.ini'"

    def below_etc():
        return "find /etc -name '*allowed-aets*'"

    def from_here():
        return "find . -name '*allowed-aets*'"

    def by_content():
        return "grep -rl allowed-aets / 2>/dev/null"

    def names_alone():
        return "ls -R / | grep allowed-aets"

    def in_capitals():
        return "find / -name '*ALLOWED-AETS*'"

    def first_half():
        return "find / -name '*allowed*'"

    def second_half():
        return "find / -name '*aets*'"

    def begins_so():
        return "find / -name 'allowed-aets*'"

    def with_a_dot():
        return "find / -name 'allowed-aets.*'"

    def counted():
        return "find / -name '*allowed-aets*' | wc -l"

    signs = {r"-name\s+\S*(?-i:[A-Z])": in_capitals, r"-name\s+['\"]?[^\s*?['\"]+['\"]?(\s|$)": exact_name}
    half = ("On hv-app1 that finds the right files, but it is half of what the vendor remembers: on another server it finds files that "
            "have nothing to do with it.")
    wrong_ways = {
        in_capitals: "Upper and lower case differ in names. Write it as the vendor does, or take `-iname`, which does not care.",
        first_half: half + " Many things are allowed on a server.",
        second_half: half + " Each program there has its table of AE titles.",
        begins_so: "On hv-app1 that finds the right files, but they are those whose name *begins* so. The vendor remembers a part: there "
        "may be more before it.",
        with_a_dot: "On hv-app1 that finds the right files, but on another server the name goes on without a dot, or begins with something "
        "else. Ask for no more than the vendor remembers.",
        counted: "That is how many there are: `wc -l` counts the lines and lets none through. Asked is where they are.",
        exact_name: "Nothing is called exactly that. `-name` compares with the whole name: a `*` before and behind says that there may be "
        "more.",
        one_ending: "These are only the files that end in `.ini`. The name may go on: put a `*` behind it as well.",
        below_etc: "You searched below `/etc` only. Configuration ought to be there, and often is not. Begin at the root of the tree.",
        from_here: "That is the one in your own home. Either the search began there (`.` is the folder in which you are), or the pattern "
        "has no quotes: then the shell puts the name of that file in its place before `find` sees it. Begin at the root, with the pattern "
        "in quotes.",
        by_content: "`grep -r` looks into the files: these are files in which the word *stands*. Asked is for files that are *called* so.",
        names_alone: "These are names without their folders: you know that there are some, and not where. `find` prints the whole path.",
    }
    hints = [
        "`find` walks through a tree and prints the paths of all that fits.",
        "It takes the folder in which to begin, then a test: `find FOLDER -name PATTERN`.",
        "The whole server begins at `/`. In the pattern, which you put in quotes, `*` stands for anything.",
    ]
    praise = (
        "More than one file has the name, and only one is read. Finding the candidates is the easy half. (In folders that are closed to "
        "you, such as `/root`, only `sudo find` looks.)"
    )


@lesson.exercise
class WorklistReads:
    """Which file does the **running** worklist server read as its list?

    Give the path of the file itself, with no link in it.
    """

    answer = PathOf("worklist_list", known={"/etc/hvmwl/allowed-aets.ini": "There is no such file on hv-app1: `ls -l /etc/hvmwl`."})
    points = 2

    def solution(server):
        # `ps -ef` shows the file as an argument of mwld, and `ls -l /etc/hvmwl` that a part of that path is a link.
        return server.sh("readlink -f /etc/hvmwl/site/allowed-aets.ini").text

    def as_the_process_names_it(server):
        return "/etc/hvmwl/site/allowed-aets.ini"

    def the_copy(server):
        return "/etc/hvmwl/allowed-aets.ini.bak"

    def the_template(server):
        return "/opt/hvmwl/share/allowed-aets.ini"

    def the_newest(server):
        return "/home/hvadmin/allowed-aets.ini.new"

    def the_folder(server):
        return "/srv/hvmwl/site"

    def the_link(server):
        return "/etc/hvmwl/site"

    wrong_ways = {
        as_the_process_names_it: "That is the path with which the process was started, and it leads to the right file. But one part of it "
        "is a link: `ls -l` shows links with an arrow. Give the place to which they lead.",
        the_copy: "That is a copy that somebody made. It lies where one would look first, and nothing reads it. What does the process "
        "name on its command line?",
        the_template: "That is the template that came with the software: its only entry is a sample. The next update may overwrite it.",
        the_newest: "That is the newest one, but it lies in somebody's home. What counts is not which file was changed last, but which "
        "one the process opens.",
        the_folder: "That is the folder in which it lies. Give the file.",
        the_link: "That is a link to a folder. Give the file, by the path that has no link in it.",
    }
    hints = [
        "The process knows. `ps -ef` prints each one with the arguments with which it was started.",
        "Behind `--allowed` stands a path. Look at each folder on the way with `ls -l`: where there is an arrow, the path goes on "
        "elsewhere.",
        "`readlink -f PATH` follows all links of a path and prints where it ends.",
    ]
    praise = "From process to command line to link to file: that way works on any UNIX server, whoever made the software."


@lesson.exercise
class ArchiveReads:
    """And the archive? `hvpacsd` reads `pacs.conf`, and of these there are many. Which one is in use, also after the next restart?

    Start from the service's unit, `systemctl cat hvpacs`, and follow it to the end. Give the path of the file itself, with no link in
    it.
    """

    answer = PathOf("archive_config", known={
        "/opt/hvpacs/etc/default.env": "That is the environment file of the vendor's unit. The override makes systemd forget it and names "
        "another one.",
        **dict.fromkeys(("/etc/systemd/system/hvpacs.service", "/etc/systemd/system/hvpacs.service.d/override.conf"),
                        "That says how the service is started. It names an environment file, and in that one stands which `pacs.conf`."),
    })
    points = 2

    def solution(server):
        # unit -> override -> /etc/default/hvpacs -> /etc/hvpacs/pacs.conf -> two links
        return server.sh("readlink -f /etc/hvpacs/pacs.conf").text

    def the_unit_alone(server):
        return "/opt/hvpacs/share/templates/pacs.conf"

    def with_its_links(server):
        return "/etc/hvpacs/pacs.conf"

    def half_way(server):
        return "/srv/hvpacs/conf/current/pacs.conf"

    def the_newest(server):
        return "/home/hvadmin/pacs.conf.new"

    def the_older_folder(server):
        return "/srv/hvpacs/conf/2024-06/pacs.conf"

    def the_copy(server):
        return "/etc/hvpacs/pacs.conf.bak"

    def the_old_copy(server):
        return "/etc/hvpacs/pacs.conf.2019"

    def the_folder(server):
        return "/srv/hvpacs/conf/2025-02"

    def the_environment(server):
        return "/etc/default/hvpacs"

    wrong_ways = {
        the_unit_alone: "So the unit alone would have it. But a second file, the override, empties the list of environment files and "
        "names another: what it says comes last and counts.",
        with_its_links: "That is what the environment says, and it is right so far. Now look at it with `ls -l`: it is a link.",
        half_way: "You followed the first link. In its target there is another: look at the folder with `ls -l`, or let `readlink -f` go "
        "the whole way.",
        the_newest: "That one is newer, but it lies in a home folder and no unit names it.",
        the_older_folder: "That is the configuration of an earlier version. The link beside it points to another folder.",
        the_copy: "That is a copy. It lies beside the right name, and no unit, environment or link leads to it.",
        the_old_copy: "That is a copy of 2019, with the year for an ending. It lies beside the right name, and nothing leads to it.",
        the_folder: "That is the folder to which the links lead. Give the file in it.",
        the_environment: "That is the environment file: it names the configuration. Go on from what stands in it.",
    }
    hints = [
        "`systemctl cat hvpacs` prints the unit, then the files that override it. `EnvironmentFile=` with nothing behind it forgets what "
        "was named before.",
        "Look into the environment file that is left: `cat FILE`. It gives HVPACS_CONF its value, and the unit's last line uses it.",
        "That value is a link, and where it leads there is another one. `readlink -f` follows both.",
    ]
    praise = (
        "Software that is updated by links, one folder for each version, is frequent: to go back, one link is turned. Editing the "
        "wrong folder changes nothing."
    )


def _readable(listing, may):
    """The names in a listing whose (mode, owner, group) the function `may` accepts."""
    rows = [line.split() for line in listing.splitlines()]
    return [row[-1] for row in rows if may(row[0], row[2], row[3])]


@lesson.exercise
class WhoMayRead:
    """The worklist server runs as the user `hvmwl`, who belongs to the groups `hvmwl` and `imaging`. Which files in `listing` can it
    **read**?

    Answer with a list of their names, in any order, such as `["a.txt", "b.txt"]`.
    """

    answer = Names("readable")

    def solution(listing):
        # Line by line: which three of the letters count for hvmwl, and is there an r in them?
        names = []
        for line in listing.splitlines():
            words = line.split()
            letters, owner, group, name = words[0], words[2], words[3], words[-1]
            if owner == "hvmwl":
                count = letters[1:4]
            elif group == "hvmwl" or group == "imaging":
                count = letters[4:7]
            else:
                count = letters[7:10]
            if "r" in count:
                names = names + [name]
        return names

    def best_of_three(listing):
        groups = ("hvmwl", "imaging")
        return _readable(listing, lambda mode, owner, group: "r" in (mode[1] * (owner == "hvmwl"), mode[4] * (group in groups), mode[7]))

    def any_r(listing):
        return _readable(listing, lambda mode, owner, group: "r" in mode)

    def others_forgotten(listing):
        groups = ("hvmwl", "imaging")
        return _readable(listing, lambda mode, owner, group: mode[1] == "r" if owner == "hvmwl" else group in groups and mode[4] == "r")

    def own_files_alone(listing):
        return _readable(listing, lambda mode, owner, group: owner == "hvmwl")

    def second_group_forgotten(listing):
        return _readable(listing, lambda mode, owner, group: mode[1 if owner == "hvmwl" else 4 if group == "hvmwl" else 7] == "r")

    def may_write(listing):
        groups = ("hvmwl", "imaging")
        return _readable(listing, lambda mode, owner, group: mode[2 if owner == "hvmwl" else 5 if group in groups else 8] == "w")

    wrong_ways = {
        best_of_three: "You let the best of the three classes count. But only one counts, the first that fits: an owner whose `r` is "
        "missing cannot read, even if all others may; and for a member of the group the group's letters count, not those of the others.",
        any_r: "You took each file that has an `r` somewhere. Whose `r` is it? The letters stand in three groups of three: owner, group, "
        "others.",
        others_forgotten: "You left out the files that belong to neither hvmwl nor one of its groups. For those the last three letters "
        "count.",
        own_files_alone: "Those are the files that belong to hvmwl, whatever the letters say. Who may read is told by the letters: the "
        "owner is one of three classes.",
        second_group_forgotten: "A user may be in several groups. hvmwl is in `imaging` as well, and there the group's three letters "
        "count.",
        may_write: "Those are the files that it may *write*: the `w`. Asked is for the `r`.",
    }
    hints = [
        "For each line ask first: is the owner hvmwl? If not: is the group one of its two? If not: it is one of the others.",
        "The answer picks three of the nine letters: 2 to 4 for the owner, 5 to 7 for the group, 8 to 10 for the others. Only those three "
        "count.",
        "Two lines are traps: one in which the owner lacks what others have, and one in which the group lacks what others have.",
    ]
    praise = (
        "When a service says *permission denied*, this is the question: as which user does it run, and which three letters count for "
        "it?"
    )


@lesson.exercise
class NotRead:
    """On 12 March a colleague set up storage commitment, in a file of its own in the folder `conf.d` beside the archive's `pacs.conf`.
    The archive has been restarted twice since, and behaves as if the file were not there. Its manual says that it reads all of `conf.d`
    at the start, as the user `hvpacs`, and leaves out what it cannot read.

    Give as `blocked` the path of the file that `hvpacs` cannot read (without links), and as `repair` the letter of the right way to
    mend it.
    """

    answer = Choice(
        "repair, blocked",
        options={
            "A": "`chmod 777` on the file: then nothing can be in the way.",
            "B": "`chown hvpacs:hvpacs` on the file; its mode may stay.",
            "C": "Let the archive run as root (`User=root` in an override).",
            "D": "Nothing: services are started by root, so they can read everything.",
            "E": "Paste its lines into the template below `/opt` and delete the file.",
        },
        evidence=PathOf("blocked", beside=dict.fromkeys(
            ("10-aes.conf", "20-listener.conf", "25-tls.conf"),
            "It lies in the right folder, but hvpacs may read that one. Try each: `sudo -u hvpacs cat FILE`.")),
    )

    def solution(server):
        # ls -l shows four files, one of them with other letters and another owner; find picks it out by its mode
        return "B", server.sh("find /srv/hvpacs/conf/2025-02/conf.d -perm 600").text.strip()

    def for_all(server):
        return "A", None

    def as_root(server):
        return "C", None

    def root_reads_all(server):
        return "D", None

    def in_the_template(server):
        return "E", None

    def the_list_of_the_worklist(server):
        return "B", "/srv/hvmwl/site/allowed-aets.ini"

    def the_folder(server):
        return "B", "/srv/hvpacs/conf/2025-02/conf.d"

    def through_the_link(server):
        return "B", "/srv/hvpacs/conf/current/conf.d/30-commit.conf"

    def below_etc(server):
        return "B", "/etc/hvpacs/conf.d/30-commit.conf"

    def the_main_file(server):
        return "B", "/srv/hvpacs/conf/2025-02/pacs.conf"

    wrong_ways = {
        for_all: "It would be readable, and every account on the server could also *write* it: whoever gets in as anybody changes the "
        "archive's configuration. Give no more than is needed.",
        as_root: "Then a fault in a program that listens on the network has the whole server. Services run as users of their own for that "
        "reason.",
        root_reads_all: "The service manager starts it, but the unit says `User=`: from then on the process has that user's rights and no "
        "others.",
        in_the_template: "The template is not read by this service, and the next update overwrites it. The file is in the right place; "
        "something else is wrong with it.",
        the_list_of_the_worklist: "The archive cannot read that one either, but it does not want to: it belongs to the worklist. Look "
        "into the archive's own `conf.d`.",
        the_folder: "That is the folder. One file in it looks different from its neighbours: `ls -l`.",
        through_the_link: "That is the file, by a path that goes through a link. Give the path without links, as in the exercise before.",
        below_etc: "There is no such folder below `/etc`. The `pacs.conf` there is a link, and `conf.d` lies beside the file to which "
        "it leads.",
        the_main_file: "That is the archive's main file, which it reads well: else it would not start. Look into the folder `conf.d` "
        "beside it.",
    }
    hints = [
        "`ls -l` on the folder `conf.d`, beside the file of the exercise before. Compare owner and mode of the four.",
        "`sudo -u hvpacs cat FILE` tries it as that user: who is right is not a matter of opinion.",
        "Which repair gives exactly the one user who needs it the right to read, and nobody else?",
    ]
    praise = (
        "A file made by root, which the service may not read: one of the most frequent reasons why it ignores what one has just "
        "configured. Many prefer `chown root:hvpacs` and `chmod 640`: then the service may read its configuration, not rewrite it. And the "
        "archive must still be told: it reads the folder when it starts."
    )


@lesson.exercise
class CountRefusals:
    """How often has the worklist refused an association, **and whose**? In `/var/log/hvmwl/mwl.log` a refusal is a line with
    `A-ASSOCIATE-RJ`.

    Write **one command line** that prints, for each calling AE title, how many refusals the log holds: one line for each, with the
    number and the title (`calling=` before the title may stay). The order of the lines does not matter. It is also tried on other days'
    logs: with other lines, other reasons, and other titles (up to 16 letters, also small ones, digits, `_` and `-`).
    """

    answer = CommandLine("count_refusals", result="counts", what="title")
    cases = unseen_servers
    points = 2

    def solution():
        return "grep A-ASSOCIATE-RJ /var/log/hvmwl/mwl.log | cut -d ' ' -f 7 | sort | uniq -c"

    def one_total():
        return "grep -c A-ASSOCIATE-RJ /var/log/hvmwl/mwl.log"

    def without_sort():
        return "grep A-ASSOCIATE-RJ /var/log/hvmwl/mwl.log | cut -d ' ' -f 7 | uniq -c"

    def titles_alone():
        return "grep A-ASSOCIATE-RJ /var/log/hvmwl/mwl.log | cut -d ' ' -f 7 | sort -u"

    def queries_too():
        return "cut -d ' ' -f 4 /var/log/hvmwl/mwl.log | sort | uniq -c"

    def by_reason():
        return "grep A-ASSOCIATE-RJ /var/log/hvmwl/mwl.log | cut -d ' ' -f 6 | sort | uniq -c"

    def this_scanner_alone():
        return "grep A-ASSOCIATE-RJ /var/log/hvmwl/mwl.log | grep CTER01 | cut -d ' ' -f 7 | sort | uniq -c"

    def whole_lines():
        return "grep A-ASSOCIATE-RJ /var/log/hvmwl/mwl.log | sort | uniq -c"

    def the_fourth_field():
        return "grep A-ASSOCIATE-RJ /var/log/hvmwl/mwl.log | cut -d ' ' -f 4 | sort | uniq -c"

    def the_first_five():
        return "grep A-ASSOCIATE-RJ /var/log/hvmwl/mwl.log | cut -d ' ' -f 7 | sort | uniq -c | sort -rn | head -n 5"

    def not_counted():
        return "grep A-ASSOCIATE-RJ /var/log/hvmwl/mwl.log | cut -d ' ' -f 7 | sort"

    def queries_counted():
        return "grep C-FIND /var/log/hvmwl/mwl.log | cut -d ' ' -f 4 | sort | uniq -c"

    def one_reason():
        return "grep reason=3 /var/log/hvmwl/mwl.log | cut -d ' ' -f 7 | sort | uniq -c"

    def repeated_alone():
        return "grep A-ASSOCIATE-RJ /var/log/hvmwl/mwl.log | cut -d ' ' -f 7 | sort | uniq -dc"

    wrong_ways = {
        the_fourth_field: "You cut out another field. In the line of a query the fourth holds the caller; the line of a refusal is built "
        "otherwise. Print one and count its fields.",
        the_first_five: "On hv-app1 that is all. On another day more devices are refused than `head` lets through, and the rest goes "
        "unseen.",
        not_counted: "Those are the titles, one for each refusal, and not their number. `uniq -c` joins equal neighbours and counts them.",
        queries_counted: "Those are the queries, the lines with `C-FIND`: whoever asks there has been let in. Asked is for refusals.",
        one_reason: "You kept one reason for a refusal. On hv-app1 there is no other; in another day's log somebody is refused who "
        "called the server by a wrong title (reason 7, PS3.8 section 9.3.4). What all refusals have is `A-ASSOCIATE-RJ`.",
        repeated_alone: "You kept those that come more than once. On hv-app1 that is all; who was refused a single time is missing: "
        "`uniq -d` leaves those lines out.",
        one_total: "That is one number for all together. Asked is a number for each title: cut the title out of the lines, then count "
        "equal ones.",
        without_sort: "`uniq` only joins lines that stand next to each other. Where the callers alternate, as in other days' logs, each "
        "title comes several times: sort before.",
        titles_alone: "Those are the titles, each once. How often each came is lost: `uniq -c` counts.",
        queries_too: "That counts the fourth field of all lines. For queries it is the caller, but a refusal has something else there. "
        "Keep the lines of refusals first.",
        by_reason: "That is the sixth field, the reason. Count the blanks again: the title is one further.",
        this_scanner_alone: "The number for CTER01 is right. But a command with this title in it can find no other. On hv-app1 no other "
        "was refused; in another day's log there are more, and they are missing.",
        whole_lines: "Each line has a time of its own, so no two are equal and each counts 1. Cut out the field that you want to count.",
    }
    hints = [
        "Four stations, joined by `|`: keep the lines, cut out the field, sort, count.",
        "`grep WORD FILE` keeps lines. In the line of a refusal the fields are separated by single blanks; which one holds `calling=`?",
        "`cut -d ' ' -f NUMBER` keeps that field. Then `sort`, then `uniq -c`, which counts equal neighbours.",
    ]
    praise = "This chain, `sort | uniq -c`, answers half of all questions to a log: which caller, which error, which hour."


@lesson.exercise
class CountFailedJobs:
    """The archive leaves a small file for each finished send job below `/var/spool/hvpacs/done`, ten thousand of them. **To which
    destinations did jobs fail, and how many to each?** A failed job has the line `status=FAILED`; the destination is in the line that
    begins with `dest=`.

    Write **one command line** that prints a line for each destination with failed jobs: the number and the destination (`dest=` may
    stay), in any order. It is also tried on other servers, whose jobs failed for other causes and have other lines as well.
    """

    answer = CommandLine("count_failed", result="counts", what="destination")
    cases = unseen_servers
    points = 2

    def solution():
        return "grep -rl status=FAILED /var/spool/hvpacs/done | xargs grep -h ^dest= | sort | uniq -c"

    def all_jobs():
        return "grep -rh ^dest= /var/spool/hvpacs/done | sort | uniq -c"

    def names_instead_of_contents():
        return "grep -rl status=FAILED /var/spool/hvpacs/done | grep ^dest= | sort | uniq -c"

    def one_total():
        return "grep -rl status=FAILED /var/spool/hvpacs/done | wc -l"

    def the_status():
        return "grep -rh status=FAILED /var/spool/hvpacs/done | sort | uniq -c"

    def those_that_went_well():
        return "grep -rl status=OK /var/spool/hvpacs/done | xargs grep -h ^dest= | sort | uniq -c"

    def without_sort():
        return "grep -rl status=FAILED /var/spool/hvpacs/done | xargs grep -h ^dest= | uniq -c"

    def names_in_front():
        return "grep -rl status=FAILED /var/spool/hvpacs/done | xargs grep ^dest= | sort | uniq -c"

    def not_counted():
        return "grep -rl status=FAILED /var/spool/hvpacs/done | xargs grep -h ^dest= | sort"

    def all_but_ok():
        return "grep -rL status=OK /var/spool/hvpacs/done | xargs grep -h ^dest= | sort | uniq -c"

    def the_word_alone():
        return "grep -rl FAILED /var/spool/hvpacs/done | xargs grep -h ^dest= | sort | uniq -c"

    def one_stream():
        return "grep -rl status=FAILED /var/spool/hvpacs/done | xargs sed -n 3p | sort | uniq -c"

    def one_folder():
        return "grep -l status=FAILED /var/spool/hvpacs/done/00/* | xargs grep -h ^dest= | sort | uniq -c"

    signs = {r"grep\s[^|]*-\w*l[^|]*\|\s*grep": names_instead_of_contents}
    wrong_ways = {
        all_jobs: "Those are all jobs, failed or not. First find the files of the failed ones, then look for `dest=` in those alone.",
        names_instead_of_contents: "The second `grep` gets a list of file names on its input and searches the *names*, in which there is "
        "no `dest=`. `xargs` hands them over as files to open.",
        one_total: "That is how many failed in all. Asked is how many to each destination.",
        the_status: "That counts the lines with the status, which are all alike. The destination stands in another line of the same file: "
        "find the files, then look into them once more.",
        those_that_went_well: "Those are the jobs that went well, `status=OK`. Asked is for the failed ones.",
        without_sort: "`uniq` only joins neighbours: each destination comes several times. Sort before.",
        not_counted: "Those are the right lines, one for each failed job. Now let equal ones be joined and counted: `uniq -c`.",
        names_in_front: "`grep` on several files puts the file's name in front of each line, so no two lines are equal. `-h` leaves the "
        "names out.",
        all_but_ok: "You took all jobs that are not OK. On hv-app1 that is right; elsewhere jobs were cancelled, and that is no failure. "
        "Ask for `status=FAILED` itself.",
        the_word_alone: "You took every file in which the word FAILED stands. On hv-app1 that is right; elsewhere it also stands in "
        "another line of jobs that went well the second time. Ask for the whole line, `status=FAILED`.",
        one_stream: "`sed` takes all the files that `xargs` hands it for one long text: its third line is that of the first file. And on "
        "another server `dest=` is not always the third. Ask for the line by its word, with `grep -h`.",
        one_folder: "Those are the jobs of one folder. There are a hundred: `-r` goes through all that lies below.",
    }
    hints = [
        "Two searches: the first gives the *names* of the files with the status, the second looks for the destination in *those* files.",
        "`grep -rl WORD FOLDER` prints the names of all files below the folder that hold the word. `| xargs grep -h WORD` looks into each "
        "of them.",
        "Behind it the chain that you know: `sort | uniq -c`.",
    ]
    praise = (
        "Ten thousand files, one line. One destination stands out, though far from all jobs to it failed: `connection timed out`, now and "
        "then. That is a ticket for the network, with a number in it."
    )


@lesson.exercise
class WhereIsTheSpace:
    """`df` says that `/var` is nearly full. `du`, which adds up all files, finds far less. Three outputs tell why:
    `df -B1 /var /archive/online1`, `sudo du -sB1 /var` and `sudo lsof +L1` (run them in the session).

    Give the letter as `space`, and as `bytes_held` **how many bytes** would become free if the cause were removed, with all digits.
    """

    answer = Choice(
        "space, bytes_held",
        options={
            "A": "`df` counts in units of 1000 and `du` in units of 1024.",
            "B": "A file was deleted while a process had it open, and still takes its space.",
            "C": "Files whose name begins with a dot are hidden from `du`.",
            "D": "Other file systems are mounted below `/var`, and `df` counts them too.",
            "E": "The blocks that are reserved for root are in the column Used.",
        },
        evidence=Exactly("bytes_held", unit="bytes"),
    )

    def solution(server):
        # The size of the deleted file: the seventh column of lsof +L1
        return "B", int(server.sh("sudo lsof +L1 | awk '/deleted/ {print $7}'").text)

    def units(server):
        return "A", None

    def hidden_files(server):
        return "C", None

    def mounted_below(server):
        return "D", None

    def reserved(server):
        return "E", None

    def all_that_du_found(server):
        return "B", int(server.sh("sudo du -sB1 /var").text.split()[0])

    def all_that_is_used(server):
        return "B", int(server.sh("df -B1 /var /archive/online1").lines[1].split()[2])

    def what_is_free_now(server):
        return "B", int(server.sh("df -B1 /var /archive/online1").lines[1].split()[3])

    wrong_ways = {
        units: "Both were asked for bytes, by `-B1`, so no unit can make a difference.",
        hidden_files: "`du` counts hidden files as well; it is `ls` that leaves them out.",
        mounted_below: "`df` speaks of one file system in each line. And files on another one mounted below would make `du` larger, not "
        "smaller.",
        reserved: "Reserved blocks are missing from the column Available; they are not in Used.",
        all_that_du_found: "The cause is right. That number is what `du` found: the files that still have a name. What has none is held "
        "beyond that.",
        all_that_is_used: "The cause is right. That number is all that is used, by files with a name and without. Which part has no name?",
        what_is_free_now: "The cause is right. That much is free already. Asked is how much would be added.",
    }
    hints = [
        "`lsof +L1` lists open files with fewer than one name, that is with none.",
        "Removing a file takes away its name. Its blocks become free when the last process that has it open closes it.",
        "The column SIZE/OFF gives the size of such a file. The difference of the other two outputs must be about the "
        "same.",
    ]
    praise = (
        "Restarting the service (or making it open its log anew) frees the space; deleting more files by name would not. Here `df` less "
        "`du` is this file to the byte; on a busy server it is only about that. A log in use is rotated, and its service told to open the "
        "new one: without that it goes on writing into the old one, which becomes the next ghost as soon as it is deleted."
    )


@lesson.exercise
class NextReading:
    """The hotline says: "Put the title into the list, then wait. Once a week cron makes mwld read it." The timetable is in
    `/etc/cron.d/hvmwl`.

    It is Monday 31 March 2025, 07:15. **When will mwld read its list next**, if nobody does anything? Give day and time of the server's
    clock as text, such as `"2025-12-24 18:30"`.
    """

    answer = Moment("next_reading", reading=moment)

    def solution(server):
        # cat /etc/cron.d/hvmwl: minute, hour, any day of the month, any month, weekday
        words = server.sh("tail -n 1 /etc/cron.d/hvmwl").text.split()
        minute, hour, weekday = int(words[0]), int(words[1]), int(words[4])
        # Today is Monday 31 March, weekday 1. So weekday 2 is 1 April, weekday 3 is 2 April, and so on.
        return f"2025-04-{weekday - 1:02} {hour:02}:{minute:02}"

    def hour_first(server):
        minute, hour, *_, weekday = server.sh("tail -1 /etc/cron.d/hvmwl").text.split()[:5]
        return f"2025-04-{int(weekday) - 1:02d} {int(minute):02d}:{int(hour):02d}"

    def day_of_the_month(server):
        minute, hour, *_, weekday = server.sh("tail -1 /etc/cron.d/hvmwl").text.split()[:5]
        return f"2025-04-{int(weekday):02d} {int(hour):02d}:{int(minute):02d}"

    def sunday_is_one(server):
        minute, hour, *_, weekday = server.sh("tail -1 /etc/cron.d/hvmwl").text.split()[:5]
        return f"2025-04-{int(weekday) - 2:02d} {int(hour):02d}:{int(minute):02d}"

    def every_night(server):
        minute, hour, *_ = server.sh("tail -1 /etc/cron.d/hvmwl").text.split()[:5]
        return f"2025-04-01 {int(hour):02d}:{int(minute):02d}"

    def the_archive(server):
        return "2025-04-02 03:30"

    def in_utc(server):
        minute, hour, *_, weekday = server.sh("tail -1 /etc/cron.d/hvmwl").text.split()[:5]
        return f"2025-04-{int(weekday) - 1:02d} {int(hour) + 2:02d}:{int(minute):02d}"

    def hour_left_out(server):
        minute, hour, *_, weekday = server.sh("tail -1 /etc/cron.d/hvmwl").text.split()[:5]
        return f"2025-04-{int(weekday) - 1:02d} 00:{int(minute):02d}"

    def the_last_one(server):
        minute, hour, *_, weekday = server.sh("tail -1 /etc/cron.d/hvmwl").text.split()[:5]
        return f"2025-03-{int(weekday) + 23:02d} {int(hour):02d}:{int(minute):02d}"

    def a_week_later(server):
        minute, hour, *_, weekday = server.sh("tail -1 /etc/cron.d/hvmwl").text.split()[:5]
        return f"2025-04-{int(weekday) + 6:02d} {int(hour):02d}:{int(minute):02d}"

    wrong_ways = {
        hour_left_out: "Day and minute are right. But the hour is not midnight: it is the second field.",
        the_last_one: "The weekday is right, and that one is over. Asked is when it comes next.",
        a_week_later: "The weekday is right, but it comes once before that: this week's is still ahead.",
        hour_first: "You read the hour first. The first of the five fields is the minute, the second the hour.",
        day_of_the_month: "You read the fifth field as a day of the month, or counted the weekdays from Monday as 0. The day of the month "
        "is the third field; the fifth counts weekdays, and Sunday is 0.",
        sunday_is_one: "You counted the weekdays from Sunday as 1. In cron Sunday is 0 (and 7 as well), so Monday is 1.",
        every_night: "That would be every night. The fifth field names one weekday.",
        the_archive: "That line of `/etc/crontab` restarts the archive, hvpacs. The worklist has a file of its own in `/etc/cron.d`.",
        in_utc: "That is two hours later: added, or marked as UTC. Cron goes by the server's own wall clock, unless it was told otherwise.",
    }
    hints = [
        "`cat /etc/cron.d/hvmwl`. Five fields stand before the user: minute, hour, day of the month, month, weekday. A `*` means any.",
        "Weekdays count from Sunday: 0 Sunday, 1 Monday, and so on.",
        "Today is Monday, weekday 1. How many days is it to the weekday in the fifth field?",
    ]
    praise = "For days the technologists in the ED would type every patient by hand. So nobody waits for cron: the service is told."


@lesson.exercise
class AddTheScanner:
    """The job of the ticket. The scanner in the ED, `CTER01` at `10.20.30.41`, must be able to ask for the worklist, now.

    Write the **command lines** that

    - keep a copy of the list as it is, in a new file, wherever you like;
    - add one line for the scanner to the list that mwld reads, in the form of the others, and change nothing else in it: the entry
      `CT_ER` stays until the vendor confirms that nothing uses it;
    - leave owner and mode of the list as they are;
    - make mwld read it, without waiting for cron, and disturb no other service.

    They are carried out on a fresh copy of the server, without what you made in this session, and on others like it, with other titles
    in the list and other process numbers. Try them in the session first, look at the result, then give them as text.
    """

    answer = Change("commands", places={"/etc/hvmwl/allowed-aets.ini.bak": "into_the_copy",
                                        "/opt/hvmwl/share/allowed-aets.ini": "into_the_template"})
    cases = unseen_servers
    points = 3

    def solution():
        return """
            sudo cp -p /srv/hvmwl/site/allowed-aets.ini /srv/hvmwl/site/allowed-aets.ini.2025-03-31
            echo "CTER01 = 10.20.30.41" | sudo tee -a /srv/hvmwl/site/allowed-aets.ini
            sudo diff /srv/hvmwl/site/allowed-aets.ini.2025-03-31 /srv/hvmwl/site/allowed-aets.ini
            sudo systemctl reload hvmwl
        """

    def emptied():
        return """
            sudo cp -p /srv/hvmwl/site/allowed-aets.ini /srv/hvmwl/site/allowed-aets.ini.old
            echo "CTER01 = 10.20.30.41" | sudo tee /srv/hvmwl/site/allowed-aets.ini
            sudo systemctl reload hvmwl
        """

    def sudo_and_redirection():
        return """
            sudo cp -p /srv/hvmwl/site/allowed-aets.ini /srv/hvmwl/site/allowed-aets.ini.old
            sudo echo "CTER01 = 10.20.30.41" >> /srv/hvmwl/site/allowed-aets.ini
            sudo systemctl reload hvmwl
        """

    def into_the_copy():
        return """
            sudo cp -p /srv/hvmwl/site/allowed-aets.ini /srv/hvmwl/site/allowed-aets.ini.old
            echo "CTER01 = 10.20.30.41" | sudo tee -a /etc/hvmwl/allowed-aets.ini.bak
            sudo systemctl reload hvmwl
        """

    def into_the_template():
        return """
            sudo cp -p /srv/hvmwl/site/allowed-aets.ini /srv/hvmwl/site/allowed-aets.ini.old
            echo "CTER01 = 10.20.30.41" | sudo tee -a /opt/hvmwl/share/allowed-aets.ini
            sudo systemctl reload hvmwl
        """

    def renamed():
        return """
            sudo cp -p /srv/hvmwl/site/allowed-aets.ini /srv/hvmwl/site/allowed-aets.ini.old
            sudo sed -i 's/CT_ER/CTER01/' /srv/hvmwl/site/allowed-aets.ini
            sudo systemctl reload hvmwl
        """

    def open_to_all():
        return """
            sudo cp -p /srv/hvmwl/site/allowed-aets.ini /srv/hvmwl/site/allowed-aets.ini.old
            sudo chmod 777 /srv/hvmwl/site/allowed-aets.ini
            echo "CTER01 = 10.20.30.41" >> /srv/hvmwl/site/allowed-aets.ini
            sudo systemctl reload hvmwl
        """

    def moved_over():
        return """
            sudo cp -p /srv/hvmwl/site/allowed-aets.ini /srv/hvmwl/site/allowed-aets.ini.old
            sudo cat /srv/hvmwl/site/allowed-aets.ini > list
            echo "CTER01 = 10.20.30.41" >> list
            sudo mv list /srv/hvmwl/site/allowed-aets.ini
            sudo systemctl reload hvmwl
        """

    def no_copy():
        return """
            echo "CTER01 = 10.20.30.41" | sudo tee -a /srv/hvmwl/site/allowed-aets.ini
            sudo systemctl reload hvmwl
        """

    def not_told():
        return """
            sudo cp -p /srv/hvmwl/site/allowed-aets.ini /srv/hvmwl/site/allowed-aets.ini.old
            echo "CTER01 = 10.20.30.41" | sudo tee -a /srv/hvmwl/site/allowed-aets.ini
        """

    def with_daemon_reload():
        return """
            sudo cp -p /srv/hvmwl/site/allowed-aets.ini /srv/hvmwl/site/allowed-aets.ini.old
            echo "CTER01 = 10.20.30.41" | sudo tee -a /srv/hvmwl/site/allowed-aets.ini
            sudo systemctl daemon-reload
        """

    def archive_too():
        return """
            sudo cp -p /srv/hvmwl/site/allowed-aets.ini /srv/hvmwl/site/allowed-aets.ini.old
            echo "CTER01 = 10.20.30.41" | sudo tee -a /srv/hvmwl/site/allowed-aets.ini
            sudo systemctl restart hvmwl hvpacs
        """

    def read_by_all():
        return """
            sudo cp -p /srv/hvmwl/site/allowed-aets.ini /srv/hvmwl/site/allowed-aets.ini.old
            echo "CTER01 = 10.20.30.41" | sudo tee -a /srv/hvmwl/site/allowed-aets.ini
            sudo chmod 644 /srv/hvmwl/site/allowed-aets.ini
            sudo systemctl reload hvmwl
        """

    def as_on_windows():
        return r"""
            sudo cp -p /srv/hvmwl/site/allowed-aets.ini /srv/hvmwl/site/allowed-aets.ini.old
            tail -1 allowed-aets.ini.new | sudo tee -a /srv/hvmwl/site/allowed-aets.ini
            sudo systemctl reload hvmwl
        """

    def by_number():
        return """
            sudo cp -p /srv/hvmwl/site/allowed-aets.ini /srv/hvmwl/site/allowed-aets.ini.old
            echo "CTER01 = 10.20.30.41" | sudo tee -a /srv/hvmwl/site/allowed-aets.ini
            sudo kill -HUP 412
        """

    signs = {r"kill\b[^\n;|]*\s\d+\s*(\n|;|&|$)": by_number, r"sudo\s+(echo|printf)\b[^|\n;]*>>": sudo_and_redirection,
             r"\bmv\b": moved_over, r"daemon-reload": with_daemon_reload,
             r"tee\s+(?!-|\s)|(?<!>)>\s*['\"]?(\$|\S*allowed-aets\.ini\b(?!\.))": emptied}
    wrong_ways = {
        by_number: "On hv-app1 that works, today. The number is another one on each server and after each start of the service; written "
        "into a change plan, it may hit another process by then. `systemctl reload` and `pkill -HUP mwld` go by the name.",
        with_daemon_reload: "`daemon-reload` makes *systemd* read its units again, which you have not changed. No service notices it. "
        "What makes mwld read its list stands in its README.",
        archive_too: WRONG_EFFECTS["archive"],
        read_by_all: WRONG_EFFECTS["others read"],
        emptied: "The list now holds one line. `tee` without `-a`, like `>`, empties the file before it writes: from this second no other "
        "device gets a worklist. You kept a copy, so it can be undone.",
        sudo_and_redirection: "`sudo echo ... >> FILE` fails: `sudo` makes root of `echo` alone, and `>>` is done by your own shell, "
        "which may not write there. mwld then read the old list again. Let a command do the writing that runs as root: `... | sudo tee -a "
        "FILE`.",
        into_the_copy: "The line went into the `.bak`, which lies where one looks first and which nothing reads. mwld has read its own "
        "list again, unchanged.",
        into_the_template: "The line went into the template below `/opt`. No process reads it, and the next update of the software "
        "overwrites it.",
        renamed: "`CT_ER` has become `CTER01`: the old entry is gone. If anything still calls itself so, it is refused from now on. It "
        "was to stay.",
        open_to_all: "It works, and now every account on the server may rewrite the list of who may ask for patients' names. `sudo` gives "
        "the right for one command; there is no need to give it to all for ever.",
        moved_over: "`mv` puts your own file in the place of the old one, with *your* owner and *your* mode. Write into the file that is "
        "there, or set owner and mode again.",
        no_copy: "All is right but one thing: there is no copy of the list as it was. Before the first change, always `cp`.",
        not_told: "The list on the disk is right, and mwld does not know: it reads the file when it starts and when it is told to. Its "
        "README says how to tell it.",
        as_on_windows: "The line came from a file that was saved on Windows: it ends with a carriage return, which `cat -A` shows as ^M. "
        "mwld would take it for a part of the address.",
    }
    hints = [
        "Four steps, four lines: copy, add, look, tell. The first and the last are each one command with `sudo`.",
        "To add a line as root: `echo \"TITLE = ADDRESS\" | sudo tee -a FILE`. The `-a` is what keeps the rest.",
        "`sudo cp -p FILE FILE.old` keeps owner, mode and time in the copy. The README below `/opt/hvmwl` says how mwld is made to read "
        "its list.",
        "Put the lines between three quotes, `\"\"\"`, each on a line of its own. FILE is the path of exercise 2.",
    ]
    praise = (
        "Found, copied, changed by one line, and told. Write it into the change log and call the ED: the scanner should ask now. "
        "*Accepted* is not yet *scheduled*: the test is a line `C-FIND CTER01` in the log, with matches. Without matches, the RIS still "
        "schedules for CT_ER."
    )

