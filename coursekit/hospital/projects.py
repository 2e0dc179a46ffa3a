"""Projects, procurement and management of the hospital: what the imaging informatics professional works with.

``Projects(h)`` has one part for each subject: `upgrade`, `migration`, `training`, `tender`, `speech`, `changes`, `workflow`,
`departments`, `desk`, `security`. A part holds lists of NamedTuples, which become DataFrames, and a `truth`: what was planted
in them, by kind. ``Projects.text(file)`` is a list as the file that somebody exported, with the dirt such files have.

All persons, vendors and prices are invented. Amounts are whole euros, times 'YYYY-MM-DD HH:MM:SS' by the wall clock
(`*_local`) or in UTC (`*_utc`).
"""

import csv
import datetime
import io
from functools import cached_property, lru_cache
from typing import NamedTuple

from coursekit.hospital import catalogue, clock, names, story, world
from coursekit.hospital.audit import Lot, local, utc_of
from coursekit.hospital.clock import DAY, HOUR, NOW_LOCAL, seconds
from coursekit.hospital.draws import Draws
from coursekit.hospital.flow import flow, locked_out, span
from coursekit.hospital.logs import FAILED_DISK

# file: (part, list), delimiter, how it writes numbers and times
FILES = {
    "upgrade_tasks.csv": ("upgrade", "tasks", ";"), "upgrade_issues.csv": ("upgrade", "issues", ";"),
    "upgrade_risks.csv": ("upgrade", "risks", ";"), "upgrade_checks.csv": ("upgrade", "checks", ";"),
    "upgrade_tests.csv": ("upgrade", "tests", ";"),
    "migration_source.csv": ("migration", "source", ","), "migration_target.csv": ("migration", "target", ","),
    "migration_runs.csv": ("migration", "runs", ","), "migration_nights.csv": ("migration", "nights", ","),
    "attendance.csv": ("training", "attendance", ";"), "quiz.csv": ("training", "responses", ";"),
    "requirements.csv": ("tender", "requirements", ";"), "answers.csv": ("tender", "answers", ";"),
    "scores.csv": ("tender", "scores", ";"), "prices.csv": ("tender", "prices", ";"),
    "turnaround.csv": ("speech", "turnaround", ","),
    "changes.csv": ("changes", "requests", ";"), "systems.csv": ("changes", "systems", ";"),
    "interfaces.csv": ("changes", "interfaces", ";"),
    "departments.csv": ("departments", "inventory", ";"),
    "tickets.csv": ("desk", "tickets", ";"), "oncall.csv": ("desk", "duties", ";"),
    "devices.csv": ("security", "devices", ";"), "risk_register.csv": ("security", "register", ";"),
    "remote_access.csv": ("security", "sessions", ";"),
}
# Public holidays of the Netherlands that fall on a working day, and Liberation Day, a day off every five years.
HOLIDAYS = ("2024-01-01", "2024-04-01", "2024-05-09", "2024-05-20", "2024-12-25", "2024-12-26", "2025-01-01", "2025-04-21",
            "2025-05-05", "2025-05-29", "2025-06-09", "2025-12-25", "2025-12-26")


def moment(when):
    return clock.text([when])[0]


def is_working(date):
    """Whether `date` (datetime.date) is a working day: Monday to Friday and no holiday."""
    return date.weekday() < 5 and str(date) not in HOLIDAYS


@lru_cache(maxsize=4096)
def has_service(day):
    """Whether the service desk is there on `day` (days since 1970, wall clock)."""
    return is_working(datetime.date(1970, 1, 1) + datetime.timedelta(day))


def working_day(start, count):
    """The date `count` working days after the working day `start` ('YYYY-MM-DD'): 0 is that day itself. A datetime.date."""
    date = datetime.date.fromisoformat(start)
    while count:
        date += datetime.timedelta(1)
        count -= is_working(date)
    return date


def csv_text(rows, delimiter=","):
    """NamedTuples as CSV: their fields as heading, None as nothing, bool as Y or N, tuples joined by blanks."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(rows[0]._fields)
    for row in rows:
        writer.writerow([("N", "Y")[value] if isinstance(value, bool) else " ".join(value) if isinstance(value, tuple) else value
                         for value in row])
    return out.getvalue()


def invented_name(lot):
    """A name for somebody who works for a vendor, 'Given Family'."""
    families, women, men = lot.pick(names.LANGUAGES)
    return f"{lot.pick(women + men)} {lot.pick(families)}"


def some(lot, items, count):
    """`count` different ones of `items`, in their order; all of them if there are fewer."""
    left, taken = list(range(len(items))), []
    while left and len(taken) < count:
        taken.append(left.pop(lot.below(len(left))))
    return [items[place] for place in sorted(taken)]


class Projects:
    """The project and management files of one hospital; each part is made when it is first asked for."""

    def __init__(self, h):
        self.h = h

    def __repr__(self):
        return "<projects: upgrade, migration, training, tender, speech, changes, workflow, departments, desk, security>"

    def text(self, file):
        """One of FILES as CSV text, lines ended by carriage return and line feed. Raises KeyError for another name."""
        part, what, delimiter = FILES[file]
        rows = getattr(getattr(self, part), what)
        if file == "prices.csv":                     # a spreadsheet's notion of money
            rows = [row._replace(eur=f"€ {row.eur:,}".replace(",", ".") + ",00") for row in rows]
        if file == "tickets.csv":                    # the desk's tool writes the day first, and no seconds
            times = "opened_local", "answered_local", "resolved_local"
            rows = [row._replace(**{field: day_first(getattr(row, field)) for field in times}) for row in rows]
        return csv_text(rows, delimiter)

    @cached_property
    def upgrade(self):
        """HV_PACS goes from release 6 to 7: an ``Upgrade``."""
        return Upgrade(self.h)

    @cached_property
    def migration(self):
        """The studies of HV_PACS go to HV_VNA: a ``Migration``."""
        return Migration(self.h)

    @cached_property
    def training(self):
        """What users learned for release 6, and rooms for release 7: a ``Training``."""
        return Training(self.h)

    @cached_property
    def tender(self):
        """The request for proposals for a new enterprise archive: a ``Tender``."""
        return Tender(self.h)

    @cached_property
    def speech(self):
        """The roll-out of VOX, the speech recognition: a ``Speech``."""
        return Speech(self.h)

    @cached_property
    def changes(self):
        """Change control: systems, interfaces, requests for change, calendars: a ``Changes``."""
        return Changes(self.h)

    @cached_property
    def workflow(self):
        """Time stamps of the exams of the last 30 days, as each system exports them: a ``Workflow``."""
        return Workflow(self.h)

    @cached_property
    def departments(self):
        """Who else owns images: a ``Departments``."""
        return Departments(self.h)

    @cached_property
    def desk(self):
        """The service desk of imaging IT: tickets, on-call duty, skills: a ``Desk``."""
        return Desk(self.h, self.training)

    @cached_property
    def security(self):
        """Risk register, devices and vendors' remote access: a ``Security``."""
        return Security(self.h, self.changes, self.desk)


def day_first(text):
    """'DD-MM-YYYY HH:MM' of 'YYYY-MM-DD HH:MM:SS'; None stays None."""
    return text and f"{text[8:10]}-{text[5:7]}-{text[:4]} {text[11:16]}"


# ---- upgrade (lab C1)

class Task(NamedTuple):
    """A task of the plan. Durations in working days: optimistic, most likely (the plan's), pessimistic.

    predecessors : tuple of text such as 'T12' (finish to start), 'T31FS-2' (with a lead of two days), 'T10SS+2' (may start
    two days after T10 has started); lags in working days
    """

    task_id: str
    phase: str
    name: str
    optimistic: int
    likely: int
    pessimistic: int
    resource: str
    predecessors: tuple
    cost_eur: int


class Slot(NamedTuple):
    """When a task may happen, in working days since the project's start: early and late start, and finish (exclusive).

    slack : total float, late_start - early_start
    """

    task_id: str
    early_start: int
    early_finish: int
    late_start: int
    late_finish: int
    slack: int


class Resource(NamedTuple):
    """Who does the work: how many at one time, euros a day, and when they are away (dates, both inclusive, or None)."""

    resource: str
    units: int
    eur_per_day: int
    away_from: str | None
    away_until: str | None


class Progress(NamedTuple):
    """A task at the status date: percent of the work done, money spent."""

    task_id: str
    percent: int
    actual_cost_eur: int


class Check(NamedTuple):
    """A criterion for going live. `evidence` passes if at least ('>=') or at most ('<=') the threshold."""

    check_id: str
    criterion: str
    unit: str
    sense: str
    threshold: int
    evidence: int
    critical: bool


class Threshold(NamedTuple):
    """When to roll back after going live: a measure that stays beyond `roll_back` for `minutes`."""

    measure: str
    unit: str
    sense: str
    warn: int
    roll_back: int
    minutes: int


class TestCase(NamedTuple):
    """A test script and its results: PASS, FAIL, or None: not run (again)."""

    test_id: str
    area: str
    critical: bool
    round_1: str | None
    round_2: str | None

    __test__ = False                    # no test of pytest's


class Issue(NamedTuple):
    """An entry of the issues log. severity: 1 stops the work, 2 hinders, 3 disturbs, 4 cosmetic; dates 'YYYY-MM-DD'."""

    issue_id: str
    opened: str
    closed: str | None
    severity: int
    test_id: str
    owner: str
    summary: str


class Risk(NamedTuple):
    """A risk of the project: probability in percent, cost if it happens, cost and effect of the response."""

    risk_id: str
    risk: str
    percent: int
    impact_eur: int
    response: str
    response_eur: int
    percent_after: int


class Constraint(NamedTuple):
    """A period in the plan's calendar: kind freeze, vendor on site, trauma call, or month end; dates inclusive."""

    kind: str
    first: str
    last: str
    note: str


# phase, name, optimistic, likely, pessimistic, resource, predecessors
TASKS = (
    ("Prepare", "Kick-off and charter", 1, 1, 2, "project manager", ""),
    ("Prepare", "Inventory of interfaces and AE titles", 3, 5, 8, "interface analyst", "T01"),
    ("Prepare", "Order servers and storage", 1, 2, 4, "project manager", "T01"),
    ("Prepare", "Delivery of servers", 12, 16, 30, "supplier", "T03"),
    ("Prepare", "Risk analysis of the release", 2, 3, 6, "risk manager", "T01"),
    ("Prepare", "Control board approves the plan", 1, 1, 3, "control board", "T02 T05"),
    ("Build", "Rack and cable the servers", 2, 3, 5, "systems engineer", "T04"),
    ("Build", "Install operating systems and database", 3, 4, 7, "systems engineer", "T07"),
    ("Build", "Install release 7 on the test servers", 2, 3, 5, "vendor engineer", "T06 T08"),
    ("Build", "Convert a copy of the database", 3, 5, 12, "vendor engineer", "T09"),
    ("Build", "Verify the converted database", 3, 4, 8, "PACS administrator", "T10SS+2"),
    ("Build", "Configure the test system", 4, 6, 10, "PACS administrator", "T09"),
    ("Build", "HL7 interfaces in the test engine", 4, 6, 11, "interface analyst", "T12"),
    ("Build", "Worklist and router entries for test", 3, 5, 8, "interface analyst", "T12"),
    ("Build", "Hanging protocols", 5, 8, 14, "PACS administrator", "T12"),
    ("Build", "Viewer on the reading workstations", 4, 6, 9, "desktop engineer", "T09"),
    ("Build", "Report templates and link to VOX", 3, 5, 9, "PACS administrator", "T12"),
    ("Test", "Write test scripts", 5, 8, 12, "test lead", "T06"),
    ("Test", "Integration test", 4, 5, 8, "test lead", "T11 T13 T14 T18"),
    ("Test", "Regression test", 3, 4, 6, "test lead", "T19"),
    ("Test", "User acceptance test, round 1", 4, 5, 8, "clinical leads", "T15 T16 T17 T20"),
    ("Build", "Correct the defects of round 1", 3, 5, 12, "vendor engineer", "T21"),
    ("Test", "Regression test", 2, 3, 5, "test lead", "T22"),
    ("Test", "User acceptance test, round 2", 2, 3, 6, "clinical leads", "T23"),
    ("Test", "Load test with a day's traffic", 2, 3, 5, "systems engineer", "T19"),
    ("Test", "Security test", 3, 4, 7, "security officer", "T19"),
    ("Test", "Backup and restore test", 1, 2, 4, "systems engineer", "T20"),
    ("Test", "Rehearsal of the rollback", 1, 2, 4, "systems engineer", "T22 T27"),
    ("Train", "Training material", 6, 9, 15, "trainer", "T15"),
    ("Train", "Train the super users", 3, 3, 6, "trainer", "T24 T29"),
    ("Train", "Train all users", 8, 10, 14, "trainer", "T30"),
    ("Communicate", "Stakeholder plan", 1, 2, 4, "project manager", "T06"),
    ("Communicate", "First notice to the departments", 1, 1, 2, "project manager", "T19 T32"),
    ("Communicate", "Downtime notice", 1, 1, 1, "project manager", "T36"),
    ("Cut over", "Cut-over plan", 2, 3, 5, "project manager", "T25 T26"),
    ("Cut over", "Go/no-go meeting", 1, 1, 1, "control board", "T24 T28 T31FS-2 T35"),
    ("Cut over", "Freeze the configuration", 1, 1, 1, "PACS administrator", "T36"),
    ("Cut over", "Full backup", 1, 1, 2, "systems engineer", "T37"),
    ("Cut over", "Convert the production database", 1, 1, 2, "vendor engineer", "T34 T38"),
    ("Cut over", "Go live", 1, 1, 1, "vendor engineer", "T31 T39"),
    ("After", "Parallel run", 5, 5, 8, "PACS administrator", "T40"),
    ("After", "Floor walking", 5, 5, 8, "trainer", "T40"),
    ("After", "Watch the rollback thresholds", 3, 3, 5, "systems engineer", "T40"),
    ("After", "Acceptance of the release", 1, 1, 3, "control board", "T41 T42 T43"),
    ("After", "Switch off release 6", 1, 2, 3, "systems engineer", "T44FS+10"),
    ("After", "Lessons learned and closing report", 1, 1, 2, "project manager", "T44"),
)
GO_LIVE = "T40"
RESOURCES = (("project manager", 1, 620), ("interface analyst", 1, 640), ("supplier", 1, 0), ("risk manager", 1, 600),
             ("control board", 1, 0), ("systems engineer", 2, 580), ("vendor engineer", 1, 1250), ("PACS administrator", 4, 520),
             ("desktop engineer", 2, 450), ("test lead", 1, 600), ("clinical leads", 6, 900), ("security officer", 1, 640),
             ("trainer", 2, 480))
CHECKS = (
    ("critical test cases passed", "%", ">=", 100, True), ("all test cases passed", "%", ">=", 95, False),
    ("open issues of severity 1", "issues", "<=", 0, True), ("open issues of severity 2", "issues", "<=", 3, True),
    ("rollback rehearsed within", "minutes", "<=", 240, True), ("restore of the last backup within", "minutes", "<=", 360, True),
    ("modalities that stored a test image", "%", ">=", 100, True), ("modalities that got their worklist", "%", ">=", 100, True),
    ("HL7 messages of a day without error", "per mille", ">=", 998, True),
    ("patient merges applied within", "seconds", "<=", 60, True), ("first image of a prior CT, 95th percentile", "ms", "<=", 3000, False),
    ("users trained", "%", ">=", 90, False), ("super users trained", "%", ">=", 100, True),
    ("reading workstations updated", "%", ">=", 100, False), ("hanging protocols accepted", "%", ">=", 95, False),
    ("downtime notice sent before", "days", ">=", 7, True), ("departments that confirmed the notice", "%", ">=", 90, False),
    ("emergency department confirmed the notice", "%", ">=", 100, True), ("on-call roster filled", "%", ">=", 100, True),
    ("vendor's engineers on site", "persons", ">=", 2, False), ("free space on the new archive", "%", ">=", 30, False),
    ("clocks of servers off by", "ms", "<=", 500, True), ("certificates valid for", "days", ">=", 180, False),
    ("downtime forms in the departments", "%", ">=", 100, False),
)
ROLLBACK = (("first image of a CT, 95th percentile", "ms", ">", 3000, 8000, 30),
            ("studies waiting to be stored", "studies", ">", 20, 60, 20),
            ("studies arrived unverified", "per mille", ">", 10, 40, 60), ("HL7 messages refused", "per mille", ">", 5, 30, 15),
            ("workstations that cannot log in", "%", ">", 2, 10, 15), ("wrong-patient displays reported", "cases", ">", 0, 0, 1))
AREAS = ("worklist", "storage", "query and retrieve", "merge and update", "display", "hanging protocols", "prefetch", "report link",
         "export", "user rights", "audit", "backup")
TROUBLES = {
    "worklist": ("empty for one station", "accession number missing in the list"), "storage": ("study stays incomplete", "SR refused"),
    "query and retrieve": ("prior not found", "slow first image"), "merge and update": ("merge not applied", "name not updated"),
    "display": ("measurement off after zoom", "viewer closes"), "hanging protocols": ("prior on the wrong side", "series in wrong order"),
    "prefetch": ("fetches too much", "fetches nothing for walk-in patients"),
    "report link": ("opens another study", "no report after addendum"),
    "export": ("CD without viewer", "private tags exported"), "user rights": ("ward sees VIP studies", "user cannot log in"),
    "audit": ("no message on export", "wrong time zone"), "backup": ("job ends with a warning", "restore without presentation states")}
RISKS = (("Servers arrive late", "second supplier on call"), ("Database conversion takes longer than rehearsed", "dry run on full copy"),
         ("A modality refuses the new worklist", "test each AE title beforehand"),
         ("Merge messages lost at cut-over", "queue in HV_ENGINE"),
         ("Users untrained at go-live", "train on the night shift too"),
         ("Rollback fails after the schema change", "keep release 6 online"),
         ("Vendor's engineer ill", "second engineer named in the contract"), ("Cut-over runs into trauma call", "choose another weekend"),
         ("Certificates expire during the project", "renew beforehand"),
         ("Firewall rules missing for new ports", "rule test from each zone"),
         ("Prior studies unreadable in the viewer", "sample of old transfer syntaxes"),
         ("Clock change during cut-over", "no change that night"),
         ("Speech recognition loses its context", "joint test with VOX"), ("Archive fills during migration", "hire storage"),
         ("Test patients left in production", "clean-up script and list"), ("Staff leave the project", "deputies named"))


def links_of(task):
    """The predecessors of a Task: a list of (task_id, 'FS' or 'SS', lag in working days)."""
    found = []
    for text in task.predecessors:
        kind, lag = text[3:5] or "FS", int(text[5:] or 0)
        found.append((text[:3], kind, lag))
    return found


def critical_path_method(tasks, duration=lambda task: task.likely):
    """Early and late times of `tasks` by the critical path method: a list of Slot, in the tasks' order.

    Raises ValueError when the dependencies go round in a circle.
    """
    by_id = {task.task_id: task for task in tasks}
    order, waiting = [], list(by_id)
    while waiting:
        ready = [one for one in waiting if all(before in order for before, _, _ in links_of(by_id[one]))]
        if not ready:
            raise ValueError(f"the dependencies go round in a circle: {', '.join(waiting)}")
        order += ready
        waiting = [one for one in waiting if one not in ready]
    start, after = {}, {one: [] for one in order}
    for one in order:
        begin = 0
        for before, kind, lag in links_of(by_id[one]):
            after[before].append((one, kind, lag))
            begin = max(begin, start[before] + lag + (duration(by_id[before]) if kind == "FS" else 0))
        start[one] = begin
    end = max(start[one] + duration(by_id[one]) for one in order)
    late = {}
    for one in reversed(order):
        length = duration(by_id[one])
        latest = [late[next_one] - lag - (length if kind == "FS" else 0) for next_one, kind, lag in after[one]]
        late[one] = min([end - length, *latest])
    return [Slot(one, start[one], start[one] + duration(by_id[one]), late[one], late[one] + duration(by_id[one]),
                 late[one] - start[one]) for one in by_id]


class Upgrade:
    """The project that brings release 7 of HV_PACS: plan, calendar, tests, checklist, issues, risks, progress."""

    start = "2025-01-06"
    status_date = "2025-04-04"

    def __init__(self, h):
        self.h = h
        self._rates = {name: rate for name, _, rate in RESOURCES}

    @cached_property
    def tasks(self):
        """The tasks: a list of Task."""
        lot, found = Lot(Draws(self.h.seed, "upgrade tasks")), []
        for number, (phase, name, low, likely, high, who, before) in enumerate(TASKS, 1):
            likely = min(high, max(low, likely + (lot.between(-1, 1) if likely > 2 else 0)))
            cost = likely * self._rates[who] + (lot.between(180, 240) * 1000 if name == "Delivery of servers" else 0)
            found.append(Task(f"T{number:02d}", phase, name, low, likely, high, who, tuple(before.split()), cost))
        return found

    @cached_property
    def schedule(self):
        """Early and late times by the critical path method: a list of Slot."""
        return critical_path_method(self.tasks)

    def date(self, day):
        """The date of working day `day` (0: the first) of the project: 'YYYY-MM-DD'."""
        return str(working_day(self.start, day))

    @cached_property
    def resources(self):
        """Who does the work: a list of Resource. The vendor's engineer is away in a week that the plan needs."""
        slot = next(one for one in self.schedule if one.task_id == "T22")
        away = self.date(slot.early_start + 1), self.date(slot.early_start + 3)
        return [Resource(name, units, rate, *(away if name == "vendor engineer" else (None, None))) for name, units, rate in RESOURCES]

    @cached_property
    def constraints(self):
        """What the calendar forbids or needs: a list of Constraint, by first day."""
        early = next(one for one in self.schedule if one.task_id == GO_LIVE)
        live = datetime.date.fromisoformat(self.date(early.early_start))
        near = datetime.timedelta(1)
        found = [Constraint("freeze", str(live - near), str(live + 2 * near), "accreditation visit: no change to any clinical system")]
        for month in (4, 5, 6, 7):
            last = datetime.date(2025, month + 1, 1) - near
            found.append(Constraint("month end", str(last - near), str(last + near), "billing closes the month"))
        for week in range(5):
            saturday = datetime.date(2025, 5, 3) + 21 * week * near
            found.append(Constraint("trauma call", str(saturday - near), str(saturday + 2 * near), "region's trauma call is ours"))
        tuesday = live + (7 + (1 - live.weekday()) % 7) * near
        found.append(Constraint("vendor on site", str(tuesday), str(tuesday + 3 * near), "two engineers of the vendor"))
        return sorted(found, key=lambda one: (one.first, one.kind))

    @cached_property
    def progress(self):
        """Where each task stands at `status_date`: a list of Progress."""
        lot, found = Lot(Draws(self.h.seed, "upgrade progress")), []
        done = sum(1 for day in range(200) if self.date(day) <= self.status_date) - lot.between(3, 6)    # behind the plan
        for task, slot in zip(self.tasks, self.schedule):
            percent = min(100, max(0, (done - slot.early_start) * 100 // max(1, slot.early_finish - slot.early_start)))
            percent -= percent % 10 if percent < 100 else 0
            found.append(Progress(task.task_id, percent, task.cost_eur * percent * lot.between(98, 124) // 10_000))
        return found

    @cached_property
    def tests(self):
        """The test cases of both rounds: a list of TestCase. Some of what failed was not run again."""
        lot, found = Lot(Draws(self.h.seed, "upgrade tests")), []
        for number in range(1, 241):
            area, critical = AREAS[number % len(AREAS)], number % 5 == 0
            first = "FAIL" if lot.happens(140) else "PASS"
            second = "PASS" if first == "FAIL" and lot.happens(880) else "FAIL" if first == "FAIL" else "PASS" if lot.happens(300) else None
            found.append(TestCase(f"TC{number:03d}", area, critical, first, second))
        failed = [place for place, one in enumerate(found) if one.round_1 == "FAIL"]
        for place in some(lot, failed, 3):
            found[place] = found[place]._replace(round_2=None)
        place = lot.pick([place for place in range(len(found)) if found[place].critical and place not in failed])
        found[place] = found[place]._replace(round_1="FAIL", round_2="FAIL")
        return found

    @cached_property
    def issues(self):
        """The issues log: a list of Issue, by number. Some stand twice; some were closed though their test was not run again."""
        lot, found = Lot(Draws(self.h.seed, "upgrade issues")), []
        owners = [user.user_id for user in self.h.staff.group("Imaging IT", "PACS administrator")] + ["vendor", "interface analyst"]
        day = datetime.date(2025, 3, 17)
        for test in self.tests:
            if test.round_1 != "FAIL":
                continue
            opened = day + datetime.timedelta(lot.below(12))
            closed = None if test.round_2 == "FAIL" else str(min(opened + datetime.timedelta(lot.between(1, 9)), world.NOW.date()))
            severity = lot.between(1, 2) if test.critical else lot.between(2, 4)
            summary = f"{test.area}: {lot.pick(TROUBLES[test.area])}"
            found.append([str(opened), closed, severity, test.test_id, lot.pick(owners), summary])
            if lot.happens(120):
                found.append([str(opened + datetime.timedelta(1)), None, severity, test.test_id, lot.pick(owners),
                              summary.capitalize() + "!!"])
        found.sort(key=lambda one: (one[0], one[3]))
        return [Issue(f"I{number:03d}", *one) for number, one in enumerate(found, 1)]

    @cached_property
    def risks(self):
        """The project's risks: a list of Risk."""
        lot = Lot(Draws(self.h.seed, "upgrade risks"))
        found = []
        for number, (risk, response) in enumerate(RISKS, 1):
            percent = 5 * lot.between(1, 14)
            found.append(Risk(f"R{number:02d}", risk, percent, 5_000 * lot.between(2, 60), response, 1_000 * lot.between(1, 12),
                              max(1, percent * lot.between(10, 50) // 100)))
        return found

    @cached_property
    def checks(self):
        """The go-live checklist with its evidence: a list of Check. Nearly all pass; what fails is critical."""
        lot, found = Lot(Draws(self.h.seed, "upgrade checks")), []
        fails = lot.pick(("rollback rehearsed within", "restore of the last backup within", "patient merges applied within"))
        for number, (criterion, unit, sense, threshold, critical) in enumerate(CHECKS, 1):
            room = threshold // 4
            better = lot.below(room + 1)
            if unit in ("%", "per mille"):
                evidence = min(100 if unit == "%" else 1000, threshold + better)
            else:
                evidence = threshold + better if sense == ">=" else threshold - better
            if criterion == fails:
                evidence = threshold + threshold * lot.between(8, 30) // 100
            found.append(Check(f"C{number:02d}", criterion, unit, sense, threshold, evidence, critical))
        return found

    @property
    def thresholds(self):
        """When to roll back after going live: a list of Threshold."""
        return [Threshold(*one) for one in ROLLBACK]

    @cached_property
    def truth(self):
        """What is planted.

        critical_path : task_ids without slack, in the plan's order; duration in working days
        overbooked : (task_id, task_id) that the early plan gives to one person at once, who has a place for one
        absent : task_id planned while its only person is away
        phases_in_a_circle : phases that seem to wait for each other, though no task does
        same_name : task_ids that share a name
        go_live_early, go_live_forbidden_by : date, kind of the constraint
        checks_failed : check_ids; not_rerun : test_ids that failed and were not run again
        issues_twice : issue_ids of second entries; closed_untested : issue_ids
        """
        slots = {one.task_id: one for one in self.schedule}
        units = {one.resource: one.units for one in self.resources}
        pairs = [(one.task_id, other.task_id) for place, one in enumerate(self.tasks) for other in self.tasks[place + 1:]
                 if one.resource == other.resource and units[one.resource] == 1 and one.resource not in ("supplier", "control board")
                 and slots[one.task_id].early_start < slots[other.task_id].early_finish
                 and slots[other.task_id].early_start < slots[one.task_id].early_finish]
        live = self.date(slots[GO_LIVE].early_start)
        seen, twice = set(), []
        for one in self.issues:
            key = one.test_id
            twice += [one.issue_id] if key in seen else []
            seen.add(key)
        open_tests = [one.test_id for one in self.tests if one.round_1 == "FAIL" and one.round_2 is None]
        return {
            "critical_path": [one.task_id for one in self.schedule if one.slack == 0],
            "duration": max(one.early_finish for one in self.schedule),
            "overbooked": pairs, "absent": "T22", "phases_in_a_circle": ("Build", "Test"), "same_name": ("T20", "T23"),
            "go_live_early": live, "go_live_forbidden_by": "freeze",
            "checks_failed": [one.check_id for one in self.checks
                              if (one.evidence < one.threshold if one.sense == ">=" else one.evidence > one.threshold)],
            "not_rerun": open_tests, "issues_twice": twice,
            "closed_untested": [one.issue_id for one in self.issues if one.closed and one.test_id in open_tests]}


# ---- migration (lab C2)

class Held(NamedTuple):
    """A study as the inventory of the old archive lists it. `transfer_syntax` of its images; `attachments`: objects among
    `instances` that are SR, PR or KO; patient_id is the surviving one."""

    study_uid: str
    patient_id: str
    issuer: str
    accession: str | None
    study_date: str
    modality: str
    instances: int
    attachments: int
    size_bytes: int
    transfer_syntax: str


class Arrived(NamedTuple):
    """A study as the new archive lists it after the migration."""

    study_uid: str
    patient_id: str
    issuer: str
    accession: str | None
    study_date: str
    modality: str
    instances: int
    attachments: int
    size_bytes: int
    arrived_utc: str


class Night(NamedTuple):
    """A night of the migration: window by the wall clock, hours in it, what was moved; `note`: what the operator wrote."""

    night: str
    starts_local: str
    ends_local: str
    hours: int
    studies: int
    instances: int
    size_bytes: int
    note: str


class Run(NamedTuple):
    """What a night moved of one modality, and how long that took (seconds)."""

    night: str
    modality: str
    studies: int
    instances: int
    size_bytes: int
    seconds: int


class LogLine(NamedTuple):
    """A line of the migration's error log. status: of the C-STORE (PS3.4 B.2.3) or C-MOVE response (PS3.4 C.4.2.1.5) in
    hexadecimal, or '' when the association had no presentation context to send on."""

    at_utc: str
    study_uid: str
    status: str
    text: str


class Sampled(NamedTuple):
    """A study of the sample that was compared by attributes and pixels."""

    study_uid: str
    attributes_differ: int
    pixels_differ: int


PRIVATE_SYNTAX = "2.999.600.1.70"           # invented: the old vendor's own compression
FIRST_NIGHT, LAST_NIGHT = "2025-02-10", "2025-04-06"
INVENTORY_UNTIL = "2025-04-01"              # what arrived before (UTC) was migrated, the oldest first
OBJECT_MS, BYTES_PER_MS = 30, 10_000        # the old archive: so long for each object, so many bytes
DISCREPANCIES = {
    "missing": "not in the new archive, and no line in the error log",
    "private transfer syntax": "images in the old vendor's own compression, which the new archive refuses: nothing arrived",
    "orphaned SR or PR": "as before, but the SR, PR or KO arrived, and refer to images that are not there",
    "quarantined": "held back: the patient identity manager does not know the patient ID",
    "empty in the source": "the old archive lists a study without objects",
    "short": "fewer instances: an association was aborted",
    "SR, PR or KO left behind": "the images arrived, the objects beside them did not",
    "changed UID": "the old archive made a new Study Instance UID on retrieval",
    "merged patient": "filed under the retired patient ID, as the headers of its images say",
    "deleted in the source": "hidden in the old archive, but moved and visible in the new",
    "duplicate": "listed twice, the second time under a patient ID without its issuer, and often not the same in all",
}
ATTACHED = "'SR', 'PR', 'KO'"


class Migration:
    """HV_PACS to HV_VNA: inventories of both sides, nights, errors, and what went wrong with which study.

    The window is short and the old archive slow; its speed grows with the edition, so that each takes the same nights.
    kinds : what can be wrong with a study, kind -> meaning
    """

    kinds = DISCREPANCIES

    def __init__(self, h):
        self.h = h

    @cached_property
    def _rows(self):
        return self.h.pacs.rows(
            "SELECT s.pk, s.study_uid, p.pid, coalesce(i.name, ''), s.accession, substr(s.study_dt_local, 1, 10), "
            "s.n_instances, s.size_bytes, s.deleted, p.merged_into, coalesce(r.main, 'OT'), coalesce(r.attached, 0), "
            "coalesce(r.attached_bytes, 0) FROM study s JOIN patient p ON p.pk = s.patient_pk LEFT JOIN issuer i ON i.pk = p.issuer_pk "
            "LEFT JOIN (SELECT study_pk, max(CASE WHEN modality NOT IN ('SR', 'PR', 'KO', 'OT') THEN modality END) AS main, "
            f"sum(CASE WHEN modality IN ({ATTACHED}) THEN n_instances ELSE 0 END) AS attached, "
            f"sum(CASE WHEN modality IN ({ATTACHED}) THEN size_bytes ELSE 0 END) AS attached_bytes FROM series GROUP BY study_pk) r "
            f"ON r.study_pk = s.pk WHERE s.created_utc < '{INVENTORY_UNTIL}' ORDER BY s.created_utc, s.pk")[1]

    def _windows(self):
        """(night, start, end, speed in percent, note) of each night; starts and ends in seconds, UTC."""
        lot, found = Lot(Draws(self.h.seed, "migration nights")), []
        first, last = seconds(FIRST_NIGHT) // DAY, seconds(LAST_NIGHT) // DAY
        slow = first + 14 + lot.below(14)
        stopped = slow + 9 + lot.below(6)
        stopped += (stopped + 3) % 7 == 6                                  # not a Sunday, when there is no run anyway
        for day in range(first, last + 1):
            speed, note = lot.between(94, 106), ""
            if (day + 3) % 7 == 6 and day != last:
                speed, note = 0, "no run: full backup of the old archive"
            elif day == stopped:
                speed, note = 0, "no run: service stopped after an update of the server, nobody noticed"
            elif slow <= day < slow + 6:
                speed = lot.between(32, 38)
            start, end = utc_of(day * DAY + HOUR), utc_of(day * DAY + 4 * HOUR)
            if end > FAILED_DISK:
                speed = speed * 55 // 100
            found.append((moment(day * DAY)[:10], start, end, speed, note))
        self._slow = [one[0] for one in found[slow - first:slow - first + 6] if one[3]]
        self._stopped = moment(stopped * DAY)[:10]
        return found

    @cached_property
    def _kinds(self):
        """{pk: kind of discrepancy}, and which are duplicates: a list of pk."""
        lot = Lot(Draws(self.h.seed, "migration kinds"))
        planted, kind, rows = self.h.truth["planted"], {}, self._rows
        typed = set(planted["study under an ID with letter O"]) | set(planted["study under an ID with transposed digits"])
        typed.add(self.h.truth["case_17"]["study_pk"])
        count = len(rows)
        for row in rows:
            if row[8]:
                continue
            if not row[6]:
                kind[row[0]] = "empty in the source"
            elif row[0] in typed:
                kind[row[0]] = "quarantined"
            elif row[9] is not None:
                kind[row[0]] = "merged patient"

        def plant(name, few, share, allowed):
            free = [row[0] for row in rows if not row[8] and row[0] not in kind and allowed(row)]
            for pk in some(lot, free, max(few, count * share // 1000)):
                kind[pk] = name

        def moving(row):
            return row[10] in ("US", "XA", "RF") and row[5] < "2022-01-01"
        plant("private transfer syntax", 4, 3, lambda row: moving(row) and not row[11])
        plant("orphaned SR or PR", 3, 3, lambda row: moving(row) and 0 < row[11] < row[6])
        plant("missing", 5, 4, lambda row: True)
        plant("short", 4, 3, lambda row: row[6] > row[11] + 3)
        plant("SR, PR or KO left behind", 4, 6, lambda row: 0 < row[11] < row[6])
        plant("changed UID", 3, 2, lambda row: True)
        hidden = [row[0] for row in rows if row[8] and row[6]]
        for pk in some(lot, hidden, max(1, len(hidden) // 4)):
            kind[pk] = "deleted in the source"
        absent = sum(1 for one in kind.values() if one in ("empty in the source", "quarantined", "private transfer syntax", "missing"))
        extra = sum(1 for one in kind.values() if one == "deleted in the source")
        # As many twice as are not there: the numbers of studies agree.
        again = [row[0] for row in rows if not row[8] and row[0] not in kind and row[2].startswith("HV")]
        return kind, some(lot, again, absent - extra)

    @cached_property
    def _moved(self):
        """(source, target, errors, {night: {modality: [studies, instances, bytes, work]}})."""
        lot = Lot(Draws(self.h.seed, "migration"))
        kind, again = self._kinds
        again = set(again)
        windows = self._windows()
        capacity = [(end - start) * speed for _, start, end, speed, _ in windows]
        survivors = dict(self.h.pacs.rows("SELECT pk, pid FROM patient")[1])
        merged = dict(self.h.pacs.rows("SELECT pk, merged_into FROM patient WHERE merged_into IS NOT NULL")[1])
        rows = self._rows
        work = [row[6] * OBJECT_MS + row[7] // BYTES_PER_MS for row in rows]
        total, before, place, filled = sum(work) + 1, 0, 0, 0
        whole = sum(capacity)
        source, target, errors, nights = [], [], [], {window[0]: {} for window in windows}
        syntax = {modality: catalogue.TRANSFER_SYNTAXES.get(modality, catalogue.EXPLICIT) for modality in {row[10] for row in rows}}
        for row, load in zip(rows, work):
            pk, uid, pid, issuer, accession, date, instances, size, deleted, into, modality, attached, attached_bytes = row
            at = before * whole // total                            # how much of all the nights' capacity is used up
            while at >= filled + capacity[place]:
                filled += capacity[place]
                place += 1
            night, start, end, speed, _ = windows[place]
            utc = start + (at - filled) // max(1, speed)
            before += load
            what = kind.get(pk)
            while into is not None:
                pid, into = survivors[into], merged.get(into)
            private = what in ("private transfer syntax", "orphaned SR or PR")
            held = Held(uid, pid, issuer, accession, date, modality, instances, attached, size,
                        PRIVATE_SYNTAX if private else syntax[modality])
            if not deleted:
                source.append(held)
            if private:
                errors.append((utc, uid, "",
                               f"presentation context for {held.transfer_syntax} refused: result 4, transfer syntaxes not supported"))
            elif what == "quarantined":
                errors.append((utc, uid, "C000", f"C-STORE refused: patient ID {pid} unknown to the patient identity manager, held back"))
            elif what == "short":
                errors.append((utc, uid, "B000", "C-MOVE: sub-operations complete, one or more failures"))
            elif lot.happens(9) and (what is None and not deleted or what == "merged patient"):    # what was tried again has arrived, whole
                errors.append((utc, uid, "A702", "C-MOVE refused: out of resources, sub-operations not performed; tried again, done"))
            if deleted and what is None or what in ("missing", "private transfer syntax", "quarantined", "empty in the source"):
                continue
            came = Arrived(*held[:9], utc)
            if what == "orphaned SR or PR":
                came = came._replace(instances=attached, size_bytes=attached_bytes)
            elif what == "short":
                lost = lot.between(1, max(1, (instances - attached) // 3))
                came = came._replace(instances=instances - lost, size_bytes=size - size * lost // instances)
            elif what == "SR, PR or KO left behind":
                came = came._replace(instances=instances - attached, attachments=0, size_bytes=size - attached_bytes)
            elif what == "changed UID":
                came = came._replace(study_uid=f"2.999.77.{20250000 + pk}.{lot.between(1000, 9999)}")
            elif what == "merged patient":
                came = came._replace(patient_id=row[2])
            copies = [came]
            if pk in again:                                         # the second one under an ID typed without its letters, or not whole
                second = came._replace(issuer="", arrived_utc=min(utc + 40, end))
                if pk % 2:
                    second = second._replace(patient_id=pid.removeprefix("HV"))
                elif instances > attached + 1:
                    second = second._replace(instances=instances - 1, size_bytes=size - size // instances)
                copies.append(second)
            target += copies
            sums = nights[night].setdefault(modality, [0, 0, 0, 0])
            for copy in copies:
                sums[0] += 1
                sums[1] += copy.instances
                sums[2] += copy.size_bytes
                sums[3] += load
        arrived = clock.text([one.arrived_utc for one in target])           # all at once: one by one they take most of the time
        target = [Arrived(*one[:9], text) for one, text in zip(target, arrived, strict=True)]
        return source, target, sorted(errors), nights, windows

    @property
    def source(self):
        """The inventory of the old archive: a list of Held, by arrival there."""
        return self._moved[0]

    @property
    def target(self):
        """The inventory of the new archive: a list of Arrived, by arrival in the old one."""
        return self._moved[1]

    @cached_property
    def errors(self):
        """The error log: a list of LogLine, by time. What was tried again with success stands there too."""
        return [LogLine(moment(utc), *rest) for utc, *rest in self._moved[2]]

    def error_log(self):
        """The error log as its file: str, wall clock with offset."""
        lines = []
        for one in self.errors:
            utc = seconds(one.at_utc)
            lines.append(f"{moment(local(utc)).replace(' ', 'T')}+0{(local(utc) - utc) // HOUR}:00 mover "
                         f"{'status=' + one.status if one.status else 'not-sent'} study={one.study_uid} {one.text}")
        return "\n".join(lines) + "\n"

    @cached_property
    def runs(self):
        """What each night moved by modality: a list of Run."""
        found = []
        for night, start, end, *_ in self._moved[4]:
            sums = self._moved[3][night]
            whole = sum(one[3] for one in sums.values())
            for modality in sorted(sums):
                studies, instances, size, load = sums[modality]
                found.append(Run(night, modality, studies, instances, size, (end - start) * load // max(1, whole)))
        return found

    @cached_property
    def nights(self):
        """The nights: a list of Night. In the night of the change to summer time the window lacks an hour."""
        found = []
        for night, start, end, _, note in self._moved[4]:
            sums = list(self._moved[3][night].values())
            found.append(Night(night, moment(local(start)), moment(local(end)), (end - start) // HOUR, sum(one[0] for one in sums),
                               sum(one[1] for one in sums), sum(one[2] for one in sums), note))
        return found

    @cached_property
    def inventory(self):
        """The old archive by year of the study and modality: a list of (year, modality, studies, instances, bytes)."""
        sums = {}
        for one in self.source:
            entry = sums.setdefault((one.study_date[:4], one.modality), [0, 0, 0])
            entry[0] += 1
            entry[1] += one.instances
            entry[2] += one.size_bytes
        return [(*key, *sums[key]) for key in sorted(sums)]

    @cached_property
    def sample(self):
        """What the vendor compared by attributes and pixels: a list of Sampled, at most 500, and no difference.

        He took recent CTs that had arrived.
        """
        lot, kind = Lot(Draws(self.h.seed, "migration sample")), self._kinds[0]
        wrong = {row[1] for row in self._rows if row[0] in kind}
        recent = [one.study_uid for one in self.target if one.modality == "CT" and one.study_date >= "2024-01-01"
                  and one.study_uid not in wrong and one.issuer and not one.study_uid.startswith("2.999.77.")]
        return [Sampled(uid, 0, 0) for uid in some(lot, recent, 500)]

    @cached_property
    def truth(self):
        """What is planted.

        discrepancies : {study_uid as in the source: kind}, kinds as in DISCREPANCIES; a duplicate's uid stands twice in the target
        changed_uids : {study_uid in the source: in the target}
        slow_nights : nights in which the old archive ran without an index; stopped : night without a run that nobody planned;
        rebuild_since : first night in which the rebuild of the VNA's shelf slows it
        """
        kind, again = self._kinds
        again, uids, changed = set(again), {}, {}
        moved = {one.study_uid.split(".")[3]: one.study_uid for one in self.target if one.study_uid.startswith("2.999.77.")}
        for row in self._rows:
            what = "duplicate" if row[0] in again else kind.get(row[0])
            if what:
                uids[row[1]] = what
            if what == "changed UID":
                changed[row[1]] = moved[str(20250000 + row[0])]
        since = next(night for night, _, end, _, _ in self._moved[4] if end > FAILED_DISK)
        return {"discrepancies": uids, "changed_uids": changed, "slow_nights": self._slow, "stopped": self._stopped, "rebuild_since": since}


# ---- training (lab C3)

class Course(NamedTuple):
    """A course: for which roles (of the roster), minutes, seats that the exercise allows; kind classroom or online."""

    course_id: str
    title: str
    roles: tuple
    minutes: int
    seats: int
    kind: str


class Session(NamedTuple):
    """A course on a day, in a room that has `seats`; local wall clock."""

    session_id: str
    course_id: str
    starts_local: str
    ends_local: str
    room: str
    seats: int
    trainer: str


class Attendance(NamedTuple):
    """A booking. status: attended, no show or cancelled."""

    session_id: str
    user_id: str
    role: str
    unit: str
    status: str


class Item(NamedTuple):
    """A question of the competency test with its key, as the author wrote it: one of A to E. bloom: level of the revised taxonomy."""

    item: str
    topic: str
    bloom: str
    key: str


class Response(NamedTuple):
    """What a user answered: occasion 'before' or 'after' the course."""

    user_id: str
    occasion: str
    item: str
    chosen: str


class Opening(NamedTuple):
    """Where and when release 7 could be taught: a room with a trainer for half a day."""

    date: str
    starts: str
    ends: str
    room: str
    seats: int
    trainer: str


RELEASE_6 = "2024-10-08"            # a Tuesday: release 6 of HV_PACS went live
COURSES = (
    ("VIEW", "Finding and showing images on the ward", ("nurse", "physician", "dentist", "physiotherapist"), 60, 12, "classroom"),
    ("READ", "Reading and reporting", ("radiologist",), 120, 6, "classroom"),
    ("ACQ", "Worklist, sending, correcting", ("technologist", "sonographer"), 90, 8, "classroom"),
    ("REC", "Import, export, release of images", ("clerk",), 60, 8, "classroom"),
    ("ADM", "Administration of release 6", ("PACS administrator", "engineer"), 240, 6, "classroom"),
    ("BASE", "What is new in release 6", ("nurse", "physician", "dentist", "physiotherapist", "radiologist", "technologist", "sonographer",
                                          "clerk", "PACS administrator", "engineer"), 20, 999, "online"),
)
ROOMS = (("Training room 1", 8), ("Training room 2", 12))
TOPICS = (("login and rights", "remember"), ("search by patient ID", "understand"), ("search by name", "apply"), ("priors", "apply"),
          ("window and level", "apply"), ("measurement", "apply"), ("laterality", "analyse"), ("unverified studies", "analyse"),
          ("merge of patients", "understand"), ("wrong worklist entry", "evaluate"), ("key images", "remember"), ("export to CD", "apply"),
          ("downtime procedure", "apply"), ("downtime numbers", "remember"), ("privacy: own record", "evaluate"),
          ("shared logins", "evaluate"),
          ("hanging protocols", "understand"), ("reporting an incident", "remember"), ("emergency access", "analyse"),
          ("cleaning up", "apply"))


class Training:
    """How release 6 was taught in autumn 2024, with test results, and what there is to plan release 7."""

    courses = [Course(*one) for one in COURSES]

    def __init__(self, h):
        self.h = h

    @cached_property
    def users(self):
        """Who had to be trained: everybody of the courses' roles who was employed on the day, a list of ``staff.User``."""
        roles = {role for one in self.courses for role in one.roles}
        return [user for user in self.h.staff.users if user.kind == "person" and user.role in roles and user.hired < RELEASE_6
                and (user.left is None or user.left > RELEASE_6) and user.unit != "Eastcliff Clinic"]

    @cached_property
    def _booked(self):
        lot = Lot(Draws(self.h.seed, "training"))
        sessions, bookings, free = [], [], {}
        trainers = [invented_name(lot) for _ in ROOMS]
        turn = 0
        need = {one.course_id: -(-sum(1 for user in self.users if user.role in one.roles) * 8 // (7 * min(one.seats, 12)))
                for one in self.courses
                if one.kind == "classroom"}
        plan = [code for code in need for _ in range(need[code])]
        plan = some(lot, plan, len(plan))
        plan = [plan.pop(lot.below(len(plan))) for _ in range(len(plan))]
        for day in range(16):
            date = str(working_day("2024-09-16", day))
            for begins in ("08:30", "10:45", "13:30"):
                for (room, seats), trainer in zip(ROOMS, trainers):
                    if turn < len(plan):
                        course = next(one for one in self.courses if one.course_id == plan[turn])
                        start = seconds(f"{date} {begins}:00")
                        one = Session(f"S{turn + 1:03d}", course.course_id, moment(start), moment(start + 60 * course.minutes), room,
                                      min(seats, course.seats), trainer)
                        sessions.append(one)
                        free[one.session_id] = one.seats
                        turn += 1
        for user in self.users:
            course = next((one for one in self.courses if user.role in one.roles), None)
            open_ones = [one for one in sessions if one.course_id == course.course_id and free[one.session_id]]
            if not open_ones or lot.happens(120):                      # found no seat, or never booked
                continue
            one = lot.pick(open_ones)
            free[one.session_id] -= 1
            start = seconds(one.starts_local)
            night = self.h.staff.shift_of(user, start // DAY - 1)
            tired = night is not None and start - 8 * HOUR < night[1] <= start
            status = "no show" if lot.happens(850 if tired else 130) else "cancelled" if lot.happens(70) else "attended"
            bookings.append(Attendance(one.session_id, user.user_id, user.role, user.unit, status))
        return sessions, sorted(bookings)

    @property
    def sessions(self):
        """The classes held before release 6: a list of Session."""
        return self._booked[0]

    @property
    def attendance(self):
        """The bookings: a list of Attendance, by session. Who came from a night shift seldom came."""
        return self._booked[1]

    @cached_property
    def trained(self):
        """The user_ids of those who attended: a list, in the order of the sessions."""
        return [one.user_id for one in self.attendance if one.status == "attended"]

    @cached_property
    def _right(self):
        """(items, the right answers): one item has a wrong key, one is so easy that it tells nothing."""
        lot = Lot(Draws(self.h.seed, "training items"))
        items = [Item(f"Q{number:02d}", topic, bloom, lot.pick("ABCDE")) for number, (topic, bloom) in enumerate(TOPICS, 1)]
        right = {one.item: one.key for one in items}
        wrong, easy = some(lot, items[2:], 2)
        right[wrong.item] = lot.pick([letter for letter in "ABCDE" if letter != wrong.key])
        return items, right, wrong.item, easy.item

    @property
    def items(self):
        """The competency test: a list of Item, with the key as its author wrote it."""
        return self._right[0]

    @cached_property
    def responses(self):
        """The answers: a list of Response. All who attended were tested before; not all came for the test after."""
        lot = Lot(Draws(self.h.seed, "training responses"))
        items, right, wrong, easy = self._right
        hard = {one.item: lot.between(-200, 200) for one in items}
        hard[easy], hard[wrong] = -900, 0
        found = []
        for user_id in self.trained:
            skill = lot.between(150, 850)
            later = None if lot.happens(140) else skill + (1000 - skill) * lot.between(25, 60) // 100
            for occasion, ability in (("before", skill), ("after", later)):
                for one in items if ability is not None else ():
                    if lot.happens(min(975, max(60, ability - hard[one.item]))):
                        chosen = right[one.item]
                    elif one.item == wrong and lot.happens(850):
                        chosen = one.key
                    else:
                        chosen = lot.pick([letter for letter in "ABCDE" if letter != right[one.item]])
                    found.append(Response(user_id, occasion, one.item, chosen))
        return found

    @cached_property
    def openings(self):
        """Rooms and trainers for release 7, from 2025-05-05 to 2025-05-27: a list of Opening."""
        lot, found = Lot(Draws(self.h.seed, "training openings")), []
        trainers = [one.trainer for one in self.sessions[:2]]
        for day in range(15):
            date = str(working_day("2025-05-06", day))
            for starts, ends in (("08:00", "12:00"), ("13:00", "17:00")):
                found += [Opening(date, starts, ends, room, seats, trainer) for (room, seats), trainer in zip(ROOMS, trainers)
                          if not lot.happens(120)]
        return found

    @cached_property
    def truth(self):
        """What is planted: `miskeyed` and `right_answer`, `too_easy` (items), `untrained` (user_ids)."""
        trained = set(self.trained)
        return {"miskeyed": self._right[2], "right_answer": self._right[1][self._right[2]], "too_easy": self._right[3],
                "untrained": [user.user_id for user in self.users if user.user_id not in trained]}


# ---- the request for proposals (lab C4)

class Requirement(NamedTuple):
    """A requirement of the tender. weight: 1 to 5 within its category.

    evidence : how a vendor's documents would name it: 'sop:' and a SOP class UID, 'ihe:' profile and actor, 'hl7:' message,
    'web:' DICOMweb service; '' if no document would
    """

    req_id: str
    category: str
    text: str
    mandatory: bool
    weight: int
    evidence: str


class Answer(NamedTuple):
    """A vendor's answer. code: yes, partial, roadmap, third party or no; `text` is what the vendor wrote."""

    vendor: str
    req_id: str
    code: str
    text: str


class Statement(NamedTuple):
    """A line of a vendor's conformance statement, IHE integration statement or HL7 specification.

    key : as Requirement.evidence; role : SCU, SCP, 'SCU/SCP', or what the document says of it
    """

    vendor: str
    document: str
    key: str
    name: str
    role: str


class Score(NamedTuple):
    """Points from 0 to 5 that an evaluator gave by the scoring guide."""

    evaluator: str
    vendor: str
    req_id: str
    points: int


class Price(NamedTuple):
    """A line of a price sheet: what is paid in which year (1 to 7). kind: one-off, licence, support, hardware, storage, service."""

    vendor: str
    kind: str
    item: str
    year: int
    eur: int


class Volume(NamedTuple):
    """What the tender asks prices for: terabytes kept at the end of a year, studies in it."""

    year: int
    stored_tb: int
    studies: int


VENDORS = ("Brinkmere", "Quillhaven", "Veldstone", "Lanternfish")            # all invented
EVALUATORS = (("radiology", 0), ("imaging IT", 0), ("clinical engineering", -1), ("purchasing", 1), ("cardiology", 0))
GUIDE = ((5, "meets the requirement, with proof"), (4, "says that it meets it"), (2, "meets part of it, or with another firm's product"),
         (0, "does not meet it, or only plans to"))
CATEGORY_WEIGHTS = {"storage": 20, "DICOM services": 12, "IHE": 12, "HL7": 8, "security": 14, "operation": 12, "viewer": 10,
                    "migration and exit": 7, "service": 5}
STORED = ("1 1.1 1.1.1 1.2 1.3 2 2.1 3.1 4 4.1 6.1 7 7.4 9.1.1 11.1 12.1 12.2 13.1.1 13.1.3 14.1 20 66.4 77.1.1 77.1.4 77.1.4.1 "
          "77.1.5.1 77.1.6 88.11 88.22 88.33 88.59 88.67 104.1 128 130 481.2 481.3 481.5").split()
SERVICES = (("1.2.840.10008.1.20.1", True), ("1.2.840.10008.5.1.4.1.2.2.1", True), ("1.2.840.10008.5.1.4.1.2.2.2", True),
            ("1.2.840.10008.5.1.4.1.2.2.3", False), ("1.2.840.10008.5.1.4.1.2.1.1", False), ("1.2.840.10008.5.1.4.1.2.1.2", False),
            ("1.2.840.10008.3.1.2.3.3", False))
WEB = ("QIDO-RS", "WADO-RS", "STOW-RS")
IHE = (("SWF.b", "Image Manager/Image Archive", True), ("PIR", "Image Manager/Image Archive", True),
       ("IOCM", "Image Manager/Image Archive", True),
       ("MIMA", "Image Manager/Image Archive", False), ("CPI", "Image Manager/Image Archive", False),
       ("XDS-I.b", "Imaging Document Source", True), ("IRWF.b", "Importer", False), ("PDI", "Portable Media Creator", False),
       ("ATNA", "Secure Node", True), ("CT", "Time Client", True), ("REM", "Image Manager/Image Archive", False),
       ("IID", "Image Display", False),
       ("PIX", "Patient Identifier Cross-reference Consumer", False))
HL7 = ("ADT^A01", "ADT^A08", "ADT^A40", "ORM^O01", "OMI^O23", "ORU^R01", "MDM^T02", "SIU^S12")
WORDED = {
    "security": ("Logs in users of the hospital's directory", "Encrypts every DICOM association with TLS 1.2 or later",
                 "Encrypts objects at rest",
                 "Sends audit messages over TLS", "Grants emergency access with a reason", "Limits access by department",
                 "Accepts patches of the operating system within 30 days",
                 "Delivers a software bill of materials", "Delivers a filled-in MDS2 form",
                 "Has no shared accounts",
                 "Ends idle sessions", "Keeps an unchangeable backup", "Reports vulnerabilities within 72 hours",
                 "Two factors for remote access",
                 "Rejects unknown calling AE titles", "Was tested by an outside party within a year"),
    "operation": ("Is available 99.9 % of each month", "Shows the first image of a prior CT within 3 s at the 95th percentile",
                  "Stores 60 CT studies an hour while 40 users read", "Restores 100 TB within 72 hours",
                  "Is upgraded within a window of 4 hours",
                  "Rolls back an upgrade within 4 hours", "Monitors itself and alerts by e-mail and SNMP",
                  "Has a test system with own licences",
                  "Verifies stored objects by hash", "Keeps two copies at two sites", "Applies retention rules with legal hold",
                  "Reports volumes by department monthly", "Runs on the hospital's virtual servers", "Compresses losslessly",
                  "Morphs tags by rules per source", "Writes no proprietary format to disk"),
    "viewer": ("Runs in a browser without installation", "Applies presentation states", "Shows tomosynthesis",
               "Shows multi-frame ultrasound in colour",
               "Shows ECG waveforms", "Shows whole-slide images", "Shows PDF and video", "Compares priors of other departments",
               "Measures in calibrated ultrasound regions",
               "Opens in the patient's context of the EMR", "Shows key images first",
               "Shares a link outside for a limited time",
               "Fuses PET and CT", "Works at 10 Mbit/s", "Follows WCAG 2.1 level AA", "Displays in Dutch and English"),
    "migration and exit": ("Migrates from HV_PACS without vendor's tools", "Keeps all UIDs", "Migrates presentation states and key objects",
                           "Reports discrepancies per study", "Fetches on demand during migration",
                           "Hands over all objects as DICOM files at exit",
                           "States the price of the exit", "Hands over the database schema", "Applies merges during migration",
                           "Needs no downtime"),
    "service": ("Answers disturbances of priority 1 within 15 minutes, day and night", "Is on site within 4 hours",
                "Names an account manager",
                "Trains super users on site", "Delivers two releases a year at most", "Announces end of support 36 months before",
                "Accepts penalties for missed service levels", "Speaks Dutch at the desk", "Holds ISO/IEC 27001",
                "Gives a reference of 400 beds"),
}
# vendor: share of yes among 1000 answers, how many claims its own documents contradict
PROFILE = {"Brinkmere": (915, 4), "Quillhaven": (820, 3), "Veldstone": (985, 2), "Lanternfish": (860, 7)}
EVASIONS = {
    "yes": ("Fully compliant.", "Supported.", "Yes, standard functionality.", "Compliant, see documentation.", "Yes."),
    "partial": ("Supported through configuration by our services team.", "Compliant with the intent of the requirement.",
                "Supported for most modalities.", "Available in comparable installations."),
    "roadmap": ("Planned for the next major release.", "On our roadmap; the date is confidential.",
                "Under consideration with our key customers.",
                "Will be available before your go-live."),
    "third party": ("Provided by a certified partner.", "Available through our marketplace, priced separately."),
    "no": ("Not applicable to our architecture.", "We would like to understand the need behind this requirement.", "Not supported."),
}
POINTS = {"yes": 4, "partial": 2, "third party": 2, "roadmap": 0, "no": 0}


class Tender:
    """The tender for a new enterprise archive with viewer: requirements, four answers, documents, scores, prices.

    guide : what points mean, a tuple of (points, meaning); category_weights : points in a hundred of the technical score
    quality_share : percent that the technical score counts in the tender; the price counts the rest, as lowest / own x 100
    discount_percent : for the net present value; payments fall at the end of a year
    """

    guide = GUIDE
    category_weights = CATEGORY_WEIGHTS
    vendors = VENDORS
    quality_share = 70
    discount_percent = 4

    def __init__(self, h):
        self.h = h

    @cached_property
    def requirements(self):
        """The requirements: a list of Requirement."""
        from pydicom.uid import UID
        lot, rows = Lot(Draws(self.h.seed, "tender")), []
        made = set(catalogue.SOP_CLASSES.values())
        rows += [("storage", f"Stores {UID(catalogue.STORAGE + end).name} as SCP", end in made, "sop:" + catalogue.STORAGE + end)
                 for end in STORED]
        rows += [("DICOM services", f"Provides {UID(uid).name} as SCP", must, "sop:" + uid) for uid, must in SERVICES]
        rows += [("DICOM services", f"Provides {service} as origin server", service != "STOW-RS", "web:" + service) for service in WEB]
        rows += [("IHE", f"Is {actor} of the IHE profile {profile}", must, f"ihe:{profile} {actor}") for profile, actor, must in IHE]
        rows += [("HL7", f"Receives {event} and applies it", event in ("ADT^A08", "ADT^A40"), "hl7:" + event) for event in HL7]
        for category, texts in WORDED.items():
            rows += [(category, text, place in (1, 5), "") for place, text in enumerate(texts)]
        return [Requirement(f"R{number:03d}", category, text, must, 5 if must else lot.between(1, 4), evidence)
                for number, (category, text, must, evidence) in enumerate(rows, 1)]

    @cached_property
    def _answered(self):
        lot = Lot(Draws(self.h.seed, "tender answers"))
        codes, false = {}, {}
        for vendor in VENDORS:
            share, lies = PROFILE[vendor]
            optional = [one for one in self.requirements if not one.mandatory]
            weak = some(lot, optional, len(self.requirements) * (1000 - share) // 1000)
            codes[vendor] = {one.req_id: "yes" for one in self.requirements}
            for one in weak:
                codes[vendor][one.req_id] = lot.pick(("partial", "partial", "roadmap", "roadmap", "third party", "no"))
            provable = [one for one in self.requirements if one.evidence and codes[vendor][one.req_id] == "yes"]
            must = [one for one in provable if one.mandatory and one.evidence.startswith("ihe:")]
            lot_of = [one for one in provable if not one.mandatory]
            false[vendor] = [one.req_id for one in some(lot, lot_of, lies)]
            if vendor == "Lanternfish":
                false[vendor] = sorted([*false[vendor], lot.pick(must).req_id])
        # The one with the best answers plans what is mandatory.
        knocked = lot.pick([one for one in self.requirements if one.mandatory and one.category in ("IHE", "operation", "security")])
        codes["Veldstone"][knocked.req_id] = "roadmap"
        false["Veldstone"] = [one for one in false["Veldstone"] if one != knocked.req_id]
        return codes, false, knocked.req_id

    @cached_property
    def answers(self):
        """The vendors' answers: a list of Answer."""
        lot, codes = Lot(Draws(self.h.seed, "tender texts")), self._answered[0]
        return [Answer(vendor, one.req_id, codes[vendor][one.req_id], lot.pick(EVASIONS[codes[vendor][one.req_id]]))
                for vendor in VENDORS for one in self.requirements]

    @cached_property
    def statements(self):
        """What the vendors' own documents say: a list of Statement."""
        from pydicom.uid import UID
        lot, (codes, false, _), found = Lot(Draws(self.h.seed, "tender statements")), self._answered, []
        documents = {"sop": "DICOM Conformance Statement", "web": "DICOM Conformance Statement", "ihe": "IHE Integration Statement",
                     "hl7": "HL7 interface specification"}
        for vendor in VENDORS:
            for one in self.requirements:
                kind, _, key = one.evidence.partition(":")
                if not kind or codes[vendor][one.req_id] != "yes":
                    continue
                lie = one.req_id in false[vendor]
                if lie and (kind != "sop" or lot.happens(400)):
                    continue                                              # the document doesn't know of it
                role = {"sop": "SCU" if lie else lot.pick(("SCP", "SCU/SCP")), "web": "origin server", "ihe": "claimed",
                        "hl7": "receiver"}[kind]
                found.append(Statement(vendor, documents[kind], one.evidence, UID(key).name if kind == "sop" else key, role))
        return found

    @cached_property
    def scores(self):
        """The evaluators' points: a list of Score. Each has a way of his own; one favours the firm he knows."""
        lot, codes, found = Lot(Draws(self.h.seed, "tender scores")), self._answered[0], []
        for evaluator, bias in EVALUATORS:
            for vendor in VENDORS:
                for one in self.requirements:
                    points = POINTS[codes[vendor][one.req_id]] + bias + (lot.happens(250) - lot.happens(200))
                    if evaluator == "cardiology" and vendor == "Lanternfish":
                        points += 1
                    if evaluator == "radiology":                          # never uses the ends of the scale
                        points = min(4, max(1, points))
                    found.append(Score(evaluator, vendor, one.req_id, min(5, max(0, points))))
        return found

    @cached_property
    def volumes(self):
        """Seven years of growth: a list of Volume. From the archive's use now, growing by a tenth each year."""
        stored, studies, found = 187, 186_000, []
        for year in range(1, 8):
            stored, studies = stored + 38 * 11 ** (year - 1) // 10 ** (year - 1), studies * 104 // 100
            found.append(Volume(year, stored, studies))
        return found

    @cached_property
    def prices(self):
        """The price sheets: a list of Price. A vendor leaves out the exit; another gives the first years' support away."""
        lot, found = Lot(Draws(self.h.seed, "tender prices")), []
        # Thousands of euros for the licence, support in percent of it, euros a terabyte, cents a study.
        base = {"Quillhaven": (980, 18, 840, 0), "Veldstone": (760, 15, 760, 30), "Lanternfish": (1450, 22, 1040, 42),
                "Brinkmere": (1300, 20, 920, 30)}
        totals = {}
        for vendor in ("Quillhaven", "Veldstone", "Lanternfish", "Brinkmere"):
            licence, support, per_tb, fee = base[vendor]
            licence = licence * 1000 * lot.between(95, 105) // 100
            lines = [("one-off", "Installation and interfaces", 1, lot.between(160, 240) * 1000),
                     ("one-off", "Migration of the old archive", 1, lot.between(190, 330) * 1000)]
            stored = 187
            for volume in self.volumes:
                grown = volume.stored_tb - stored if volume.year > 1 else volume.stored_tb
                lines.append(("storage", f"Storage, {grown} TB on two sites", volume.year, grown * per_tb))
                stored = volume.stored_tb
                if fee:
                    lines.append(("service", f"Fee for {volume.studies} studies", volume.year, volume.studies * fee // 100))
            lines += [("hardware", "Servers", 1, lot.between(180, 260) * 1000),
                      ("hardware", "Servers, replaced", 5, lot.between(190, 280) * 1000)]
            if vendor != "Quillhaven":
                lines.append(("one-off", "Exit: all objects handed over", 7, lot.between(60, 140) * 1000))

            def whole(licence):
                fees = [("support", "Support", year, licence * support // 100 * 103 ** (year - 1) // 100 ** (year - 1))
                        for year in range(1, 8)
                        if year > (2 if vendor == "Lanternfish" else 0)]
                return [("licence", "Software", 1, licence), *fees, *lines]
            if vendor == "Brinkmere":
                # Its licence is such that rank 1 changes where truth['flip_share'] says.
                share = lot.between(57, 64)
                gap = self.technical["Brinkmere"] - self.technical["Quillhaven"]
                wanted = totals["Quillhaven"] * 100 / (100 - share * gap / (100 - share))
                while sum(line[3] for line in whole(licence)) < wanted:
                    licence += 1000
                while sum(line[3] for line in whole(licence)) > wanted:
                    licence -= 1000
            sheet = whole(licence)
            totals[vendor] = sum(line[3] for line in sheet)
            found += [Price(vendor, kind, item, year, eur) for kind, item, year, eur in sheet]
        return sorted(found, key=lambda one: (VENDORS.index(one.vendor), one.year))

    @cached_property
    def technical(self):
        """{vendor: technical score of 100}: points of the codes by the guide, weighted within and between the categories."""
        codes, found = self._answered[0], {}
        for vendor in VENDORS:
            total = 0
            for category, share in CATEGORY_WEIGHTS.items():
                own = [one for one in self.requirements if one.category == category]
                got = sum(one.weight * POINTS[codes[vendor][one.req_id]] for one in own)
                total += share * got * 1000 // sum(one.weight * 4 for one in own)
            found[vendor] = total / 1000
        return found

    @cached_property
    def truth(self):
        """What is planted.

        knocked_out : {vendor: req_id it fails}, by its own answer; `by_evidence`: likewise, though it said yes
        contradicted : {vendor: req_ids answered yes that its documents contradict}
        totals : {vendor: euros in seven years, undiscounted}
        flip_share : the percent of quality above which Brinkmere beats Quillhaven, by `technical` and `totals`
        hidden : {vendor: what its price sheet leaves out}; favourite : (evaluator, vendor)
        """
        _, false, knocked = self._answered
        totals = {vendor: sum(one.eur for one in self.prices if one.vendor == vendor) for vendor in VENDORS}
        gain = self.technical["Brinkmere"] - self.technical["Quillhaven"]
        loss = 100 - 100 * totals["Quillhaven"] / totals["Brinkmere"]
        must = {one.req_id for one in self.requirements if one.mandatory}
        lied = next(one for one in false["Lanternfish"] if one in must)
        return {"knocked_out": {"Veldstone": knocked}, "by_evidence": {"Lanternfish": lied},
                "contradicted": false, "totals": totals, "flip_share": 100 * loss / (gain + loss),
                "hidden": {"Quillhaven": "Exit", "Lanternfish": "Support of years 1 and 2"}, "favourite": ("cardiology", "Lanternfish")}


# ---- speech recognition (lab C5)

class Pair(NamedTuple):
    """What was said and what VOX wrote, for a dictation of ``h.logs.dictation``."""

    study_uid: str
    accession: str
    user_id: str
    reference: str
    recognised: str


class Speaker(NamedTuple):
    """A radiologist as VOX knows him: when enrolled, minutes of training texts read, microphone, wave of the roll-out."""

    user_id: str
    enrolled: str
    training_minutes: int
    microphone: str
    wave: int


class Turnaround(NamedTuple):
    """A report before or after VOX. method: typist, editor (recognised, corrected by an editor) or self (corrected by the speaker)."""

    study_uid: str
    user_id: str
    modality: str
    method: str
    available_utc: str
    dictated_utc: str
    final_utc: str


WAVES = ("2024-09-16", "2024-09-30", "2024-10-14")
# What is said of a region: {n} millimetres of something small, {d} a decimal, {side} left or right.
SENTENCES = {
    "chest": ("No pneumothorax.", "No pleural effusion on the {side} side.", "There is a nodule of {n} mm in the {side} upper lobe.",
              "Heart size within normal limits.", "The {side} hilum is not enlarged.", "No enlarged lymph nodes.",
              "Tube tip 3{n} mm above the carina.", "No evidence of pulmonary embolism.", "Effusion in the {side} pleural space, 1.{d} cm.",
              "Compared with the previous examination no change."),
    "head": ("No acute intracranial haemorrhage.", "Ventricles and sulci are normal for age.", "No midline shift.",
             "Lesion of {n} mm in the {side} temporal lobe, unchanged.", "No fracture of the skull base.",
             "The {side} maxillary sinus is not opacified.", "Aneurysm of {n}.{d} mm at the {side} carotid artery.",
             "Contrast medium was given without complication.", "Compared with the previous examination no change."),
    "abdomen": ("The {side} kidney measures 1{one}.{d} cm.", "Cyst of {n} mm in the {side} lobe of the liver, unchanged.", "No free air.",
                "The appendix is not enlarged.", "Infrarenal aorta 1{n} mm in diameter.", "The gallbladder contains no stones.",
                "The ileum and colon are unremarkable.", "No enlarged lymph nodes.", "No hydronephrosis on the {side} side.",
                "Contrast medium was given without complication."),
    "skeleton": ("No fracture seen.", "Small effusion on the {side} side.", "Bone density within normal limits.", "Joint space {n}.{d} mm.",
                 "Degenerative changes, slightly more than in the previous examination.", "No dislocation.",
                 "No foreign body in the soft tissue.",
                 "Cyst of {n} mm in the bone on the {side} side."),
    "breast": ("Mass of 1.{d} cm in the {side} breast.", "No suspicious microcalcification.",
               "The {side} axilla contains no enlarged node.",
               "Cyst of {n} mm in the {side} upper outer quadrant.", "No architectural distortion.", "Skin and nipple not retracted.",
               "Compared with the previous examination no change."),
}
REGIONS = {"CHEST": "chest", "HEART": "chest", "CORONARYARTERY": "chest", "ESOPHAGUS": "chest", "CHESTABDPELVIS": "chest", "HEAD": "head",
           "BRAIN": "head", "ABDOMEN": "abdomen", "ABDOMENPELVIS": "abdomen", "PROSTATE": "abdomen", "UTERUS": "abdomen",
           "WHOLEBODY": "abdomen", "BREAST": "breast"}
MISHEARD = {"ileum": "ilium", "hilum": "helium", "effusion": "infusion", "lobe": "robe", "sulci": "soul see", "carina": "corona",
            "nodule": "module", "appendix": "a penny", "radius": "radios", "lumbar": "lumber", "medium": "median", "aorta": "a order",
            "examination": "exam in nation", "tear": "tier", "previous": "precious", "kidney": "kid knee"}
SWALLOWED = ("the", "is", "are", "of", "in", "and", "for", "with", "was", "there")      # nothing that changes the finding
CRITICAL = ("negation lost", "negation turned to new", "side changed", "decimal point lost", "unit changed")


def mishear(lot, kind, sentence):
    """`sentence` with the critical error `kind`, or None where there is nothing to get wrong in that way."""
    words = sentence.split(" ")
    if kind.startswith("negation"):
        for place, word in enumerate(words):
            if word in ("No", "no", "not"):
                words[place:place + 1] = [] if kind == "negation lost" else ["New" if word == "No" else "new" if word == "no" else "now"]
                return " ".join(words)
    pairs = {"side changed": (("left", "right"), ("right", "left")), "unit changed": ((" mm", " cm"), (" cm", " mm"))}
    for was, becomes in pairs.get(kind, ()):
        if was in sentence:
            return sentence.replace(was, becomes, 1)
    if kind == "decimal point lost":
        for place in range(1, len(sentence) - 1):
            if sentence[place] == "." and sentence[place - 1].isdigit() and sentence[place + 1].isdigit():
                return sentence[:place] + sentence[place + 1:]
    return None


class Speech:
    """VOX: texts said and recognised, speakers, and turnaround times before and after; waves of the roll-out in `waves`."""

    waves = WAVES

    def __init__(self, h):
        self.h = h

    @cached_property
    def speakers(self):
        """The radiologists: a list of Speaker. Who read little and has a poor microphone is recognised badly."""
        lot = Lot(Draws(self.h.seed, "speech speakers"))
        found = []
        for place, user in enumerate(self.h.staff.group("Radiology", "radiologist")):
            found.append(Speaker(user.user_id, WAVES[place % 3], lot.pick((0, 5, 15, 30, 30, 45)),
                                 lot.pick(("headset", "desk microphone", "built in")), place % 3 + 1))
        return found

    @cached_property
    def _heard(self):
        lot = Lot(Draws(self.h.seed, "speech pairs"))
        known = {one.user_id: one for one in self.speakers}
        pairs, planted = [], {}
        said = [one for one in self.h.logs.dictation if one[7] == "speech" and one[2] in known]
        parts = dict(self.h.pacs.rows("SELECT s.study_uid, max(r.body_part) FROM series r JOIN study s ON s.pk = r.study_pk "
                                      "GROUP BY s.pk")[1])
        for uid, accession, user_id, *_ in said[:400]:
            region = SENTENCES[REGIONS.get(parts[uid], "skeleton")]
            speaker = known[user_id]
            rate = 60 - speaker.training_minutes + {"headset": 10, "desk microphone": 25, "built in": 60}[speaker.microphone]
            lines = [line.format(side=lot.pick(("left", "right")), n=lot.between(2, 9), d=lot.between(1, 9), one=lot.between(0, 2))
                     for line in some(lot, region, lot.between(4, 7))]
            heard, kinds = list(lines), []
            if lot.happens(110):
                kind = lot.pick(CRITICAL)
                for place, line in enumerate(lines):
                    wrong = mishear(lot, kind, line)
                    if wrong is not None:
                        heard[place] = wrong
                        kinds.append(kind)
                        break
            text = []
            for word in " ".join(heard).split(" "):
                bare = word.strip(".,")
                if bare in MISHEARD and lot.happens(rate * 3):
                    word = word.replace(bare, MISHEARD[bare])
                elif bare.lower() in SWALLOWED and lot.happens(rate * 2):
                    continue                                               # swallowed
                text.append(word)
                if lot.happens(rate // 8):
                    text.append(lot.pick(("uh", "the", "and")))
            out = " ".join(text)
            if lot.happens(200):                                           # written otherwise, but not wrong
                out = out.replace(" mm", " millimetres").replace(".", " .") if lot.happens(500) else out.lower()
            pairs.append(Pair(uid, accession, user_id, " ".join(lines), out))
            if kinds:
                planted[uid] = kinds[0]
        return pairs, planted

    @property
    def pairs(self):
        """Reports as said and as recognised, at most 400: a list of Pair."""
        return self._heard[0]

    @cached_property
    def _odd(self):
        lot = Lot(Draws(self.h.seed, "speech habits"))
        ids = [one.user_id for one in self.speakers]
        chosen = some(lot, ids, 4)
        return {"kept_typist": chosen[:2], "slower": chosen[2], "leaves_it_to_editors": chosen[3]}

    @cached_property
    def turnaround(self):
        """Reports of studies that arrived from July to November 2024: a list of Turnaround, by arrival.

        In August half the typists are away; a wave's radiologists change from typist to VOX on its day.
        """
        lot, odd, found = Lot(Draws(self.h.seed, "speech turnaround")), self._odd, []
        _, rows = self.h.pacs.rows(
            "SELECT study_uid, mods_in_study, created_utc, CAST(strftime('%s', created_utc) AS INTEGER) FROM study "
            "WHERE status = 'READ' AND deleted = 0 AND created_utc >= '2024-07-01' AND created_utc < '2024-12-01' ORDER BY created_utc, pk")
        main = ("CT", "MR", "MG", "US", "PT", "NM", "XA", "RF", "DX", "CR")
        for uid, modalities, created, utc in rows:
            parts = (modalities or "").split("\\")
            modality = next((one for one in main if one in parts), None)
            if modality is None:
                continue
            who = self.speakers[lot.below(len(self.speakers))]
            heavy = modality in ("CT", "MR", "PT", "MG")
            dictated = utc + lot.between(900, 6 * HOUR if heavy else 4 * HOUR)
            if moment(dictated)[:10] < who.enrolled or who.user_id in odd["kept_typist"]:
                method = "typist"
                wait = lot.between(2 * HOUR, 26 * HOUR) * (2 if created[5:7] == "08" else 1)
            elif who.user_id == odd["leaves_it_to_editors"]:
                method, wait = "editor", lot.between(HOUR, 9 * HOUR)
            else:
                method, wait = "self", lot.between(60, 1500)
                if who.user_id == odd["slower"]:
                    wait = lot.between(5 * HOUR, 40 * HOUR)                 # corrects everything in the evening, or the next
            found.append(Turnaround(uid, who.user_id, modality, method, created, moment(dictated), moment(dictated + wait)))
        return found

    @property
    def truth(self):
        """What is planted: `critical` {study_uid: kind, one of CRITICAL}; user_ids `kept_typist`, `slower`, `leaves_it_to_editors`."""
        return {"critical": self._heard[1], **self._odd}


# ---- change control (labs B5, C6)

class System(NamedTuple):
    """A system of the configuration management database. kind: server, modality, workstation, infrastructure, outside."""

    system: str
    kind: str
    host: str
    owner: str
    criticality: int
    test_system: bool


class Interface(NamedTuple):
    """What `source` needs of `target`: it opens the connection, or depends on it.

    protocol : DICOM store, find, move, worklist, mpps, commit; HL7; HTTP; NTP; DNS; LDAP; TLS; SAN; SQL
    knows : what of the other end stands in its configuration: 'AE title', 'IP address', 'host name', 'certificate'
    """

    source: str
    target: str
    protocol: str
    port: int
    knows: str


class Change(NamedTuple):
    """A request for change. kind: standard (pre-approved), normal, emergency; risk: low, medium, high.

    systems : those the requester named; window and what really happened by the wall clock
    approved_by, approved_local : None when nobody did
    notified : groups that got the notice, days before in `notice_days`
    result : successful, backed out, failed, or None: not yet done
    """

    change_id: str
    kind: str
    title: str
    systems: tuple
    risk: str
    requested_by: str
    requested_local: str
    implementer: str
    starts_local: str
    ends_local: str
    began_local: str | None
    ended_local: str | None
    approved_by: str | None
    approved_local: str | None
    back_out: str
    tested: bool
    notified: tuple
    notice_days: int
    result: str | None


class Period(NamedTuple):
    """Something in the calendar of changes: kind freeze, trauma call, backup, or clinic; local wall clock."""

    kind: str
    starts_local: str
    ends_local: str
    systems: tuple
    note: str


class Stakeholder(NamedTuple):
    """A group to be told: channel, days of notice it needs, for which systems; `reached`: when it can be reached."""

    group: str
    channel: str
    days: int
    systems: tuple
    reached: str


class Notice(NamedTuple):
    """The text of a downtime notice, as it was sent."""

    change_id: str
    sent_local: str
    text: str


class Buffer(NamedTuple):
    """What a scanner can keep by itself when the archive is away: free bytes, and bytes it makes in a busy hour."""

    system: str
    free_bytes: int
    bytes_per_hour: int


class Hazard(NamedTuple):
    """A line of the failure mode and effects analysis; severity, occurrence, detection from 1 to 10, 10 the worst."""

    hazard_id: str
    failure: str
    effect: str
    severity: int
    occurrence: int
    detection: int
    action: str


OTHER_SYSTEMS = (
    ("HIS", "server", "10.20.20.10", "Hospital IT", 1), ("RIS", "server", "10.20.20.11", "Imaging IT", 1),
    ("HV_ENGINE", "server", "10.20.20.12", "Hospital IT", 1), ("VOX", "server", "10.20.20.13", "Imaging IT", 2),
    ("EMR", "server", "10.20.20.14", "Hospital IT", 1), ("CARD", "server", "10.20.20.15", "Cardiology", 2),
    ("LAB", "server", "10.20.20.16", "Laboratory", 2), ("BILLING", "server", "10.20.20.17", "Finance", 3),
    ("PHARMACY", "server", "10.20.20.18", "Pharmacy", 2), ("PORTAL", "server", "10.20.20.19", "Hospital IT", 3),
    ("MPI", "server", "10.20.20.20", "Hospital IT", 1), ("DOSE", "server", "10.20.20.21", "Medical physics", 3),
    ("ENDO", "server", "10.20.20.22", "Endoscopy", 3), ("EYE", "server", "10.20.20.23", "Ophthalmology", 3),
    ("DENTAL", "server", "10.20.20.24", "Dental clinic", 3), ("PATHOLOGY", "server", "10.20.20.25", "Pathology", 3),
    ("AI_CHEST", "server", "10.20.20.26", "Radiology", 3), ("TEACHING", "server", "10.20.20.27", "Clinical research", 4),
    ("ARR", "infrastructure", "10.20.50.10", "Imaging IT", 2), ("NTP", "infrastructure", "10.20.50.11", "Hospital IT", 2),
    ("CA", "infrastructure", "10.20.50.12", "Hospital IT", 2), ("DNS", "infrastructure", "10.20.50.5", "Hospital IT", 1),
    ("DIRECTORY", "infrastructure", "10.20.50.6", "Hospital IT", 1), ("SAN", "infrastructure", "10.20.50.20", "Hospital IT", 1),
    ("BACKUP", "infrastructure", "10.20.50.21", "Hospital IT", 2), ("VIRTUAL", "infrastructure", "10.20.50.22", "Hospital IT", 1),
    ("FW_CORE", "infrastructure", "10.20.0.1", "Hospital IT", 1), ("SW_RAD_1", "infrastructure", "10.20.30.2", "Hospital IT", 1),
    ("SW_RAD_2", "infrastructure", "10.20.30.3", "Hospital IT", 1), ("SW_DENT_1", "infrastructure", "10.20.30.4", "Hospital IT", 3),
    ("WLAN", "infrastructure", "10.20.0.8", "Hospital IT", 2), ("MONITOR", "infrastructure", "10.20.50.30", "Hospital IT", 3),
    ("JUMP", "infrastructure", "10.20.50.40", "Hospital IT", 2), ("NMH_REGISTRY", "outside", "10.99.0.10", "Northmere HIE", 3),
    ("ECC_PACS", "outside", "10.60.10.10", "Eastcliff Clinic", 3), ("TELERAD", "outside", "10.99.0.20", "Radiology", 2),
)
HL7_ROUTES = (("HIS", "HV_ENGINE"), ("RIS", "HV_ENGINE"), ("CARD", "HV_ENGINE"), ("VOX", "HV_ENGINE"), ("LAB", "HV_ENGINE"),
              ("HV_ENGINE", "RIS"),
              ("HV_ENGINE", "HV_PACS"), ("HV_ENGINE", "HV_MWL"), ("HV_ENGINE", "HV_VNA"), ("HV_ENGINE", "EMR"), ("HV_ENGINE", "CARD"),
              ("HV_ENGINE", "VOX"), ("HV_ENGINE", "LAB"), ("HV_ENGINE", "BILLING"), ("HV_ENGINE", "MPI"), ("HV_ENGINE", "DENTAL"),
              ("HV_ENGINE", "EYE"),
              ("HV_ENGINE", "ENDO"), ("HV_ENGINE", "PHARMACY"), ("HV_ENGINE", "PATHOLOGY"))
OTHER_LINKS = (("HV_VNA", "NMH_REGISTRY", "HTTP", 443, "certificate"), ("HV_VNA", "ECC_PACS", "DICOM store", 104, "IP address"),
               ("ECC_PACS", "HV_VNA", "DICOM store", 11115, "AE title"), ("HV_PACS", "TELERAD", "DICOM store", 104, "certificate"),
               ("EMR", "HV_VNA", "HTTP", 443, "certificate"), ("PORTAL", "HV_VNA", "HTTP", 443, "certificate"),
               ("RIS", "HV_MWL", "SQL", 1433, "host name"), ("VOX", "RIS", "HTTP", 443, "host name"),
               ("AI_CHEST", "HV_PACS", "DICOM store", 11112, "AE title"), ("HV_ROUTER", "AI_CHEST", "DICOM store", 104, "IP address"),
               ("TEACHING", "HV_PACS", "DICOM find", 11112, "AE title"), ("DOSE", "HV_PACS", "DICOM find", 11112, "AE title"),
               ("ENDO", "HV_VNA", "DICOM store", 11115, "AE title"), ("EYE", "HV_VNA", "DICOM store", 11115, "AE title"),
               ("DENTAL", "HV_VNA", "DICOM store", 11115, "AE title"), ("PATHOLOGY", "HV_VNA", "HTTP", 443, "certificate"),
               ("CARD", "HV_VNA", "DICOM store", 11115, "AE title"), ("HV_PACS", "HV_VNA", "DICOM store", 11115, "AE title"),
               ("HV_ROUTER", "HV_PACS", "DICOM move", 11112, "AE title"), ("JUMP", "HV_PACS", "HTTP", 443, "host name"))
# kind, title, risk, for which kinds of system (or which systems)
CHANGE_TITLES = (
    ("normal", "{} operating system patches", "low", ("server", "modality", "workstation")),
    ("normal", "{} to a new release", "high", ("server", "modality", "infrastructure")),
    ("normal", "new certificate for {}", "medium", ("server",)), ("standard", "{} more disk space", "low", ("server",)),
    ("standard", "new user role in {}", "low", ("HIS", "RIS", "HV_PACS", "HV_VNA", "VOX", "EMR", "CARD", "DENTAL", "EYE", "ENDO")),
    ("standard", "restart of {}", "low", ("server", "workstation")),
    ("normal", "{} to another VLAN", "medium", ("modality", "workstation")),
    ("normal", "firewall rule for {}", "medium", ("server", "modality")),
    ("normal", "{} configuration of character set", "medium", ("server", "modality")),
    ("normal", "{} database maintenance", "medium", ("server",)),
    ("normal", "{} hardware replaced", "high", ("server", "infrastructure")),
    ("standard", "new report template in {}", "low", ("RIS", "VOX", "CARD", "EMR")))
STANDARD = ("more disk space", "new user role", "restart", "new report template")        # what is pre-approved
GROUPS = (("Emergency", "telephone", 3, ("HV_PACS", "HV_MWL", "RIS", "CTER01", "CR_ER1", "EMR"), "day and night"),
          ("Radiology", "e-mail", 7, ("HV_PACS", "HV_MWL", "RIS", "VOX", "HV_ROUTER", "HV_VNA"), "day and night"),
          ("Operating theatres", "telephone", 5, ("HV_PACS", "EMR", "SAN"), "weekdays 07:00-17:00"),
          ("Cath lab", "telephone", 5, ("CARD", "XA_CATH1", "HV_PACS"), "day and night"),
          ("Intensive care", "telephone", 3, ("HV_PACS", "EMR"), "day and night"),
          ("Breast clinic", "e-mail", 7, ("MG1", "HV_PACS"), "weekdays 08:00-17:00"),
          ("Dental clinic", "e-mail", 7, ("DENTAL", "IO_DENT1", "PX_DENT1"), "weekdays 08:00-17:00"),
          ("Eastcliff Clinic", "e-mail", 10, ("HV_VNA", "ECC_PACS"), "weekdays 08:00-17:00"),
          ("On-call PACS administrator", "telephone", 1, ("HV_PACS", "HV_MWL", "HV_VNA", "HV_ROUTER", "HV_ENGINE", "SAN"), "day and night"),
          ("Service desk", "e-mail", 3, ("HV_PACS", "HV_MWL", "HV_VNA", "RIS", "VOX", "EMR"), "day and night"))
HAZARDS = (
    ("Study filed under a wrong patient ID", "Treatment by another's images", 10, 3, 6, "reconcile unverified studies each hour"),
    ("Worklist refused after a new AE title", "Identifiers typed by hand", 8, 4, 7, "AE title on the change form"),
    ("Merge message dropped by the engine", "Priors not found", 7, 4, 8, "alert on AE and AR"),
    ("Clock of a scanner an hour off", "Images seem older than their order", 6, 3, 7, "clocks from NTP only"),
    ("Side marker on the wrong side", "Operation on the wrong side", 10, 2, 5, "marker check before sending"),
    ("Stale prior opened", "Change missed", 7, 3, 6, "date in the title bar"),
    ("Report dictated for the open but wrong study", "Wrong report", 9, 2, 6, "one context for viewer and VOX"),
    ("Negation lost by recognition", "Disease overlooked", 9, 4, 5, "read before signing"),
    ("Emergency study unread over night", "Treatment delayed", 9, 3, 4, "list of unread studies on the ward"),
    ("Archive full", "Scanners stop", 7, 2, 2, "alarm at 85 %"),
    ("Backup not restorable", "Loss of studies", 10, 2, 8, "restore test each quarter"),
    ("Tomosynthesis refused by the workstation", "Screening read without it", 7, 3, 5, "test transfer syntaxes beforehand"),
    ("Dose report left behind", "Dose unknown", 5, 5, 7, "count SR per study"),
    ("Downtime numbers used twice", "Two patients under one number", 9, 2, 6, "numbers printed once per department"),
    ("Shared login at the scanner", "Nobody answers for the entry", 5, 7, 8, "badge login"),
    ("Remote session outside any change", "Unknown change", 8, 3, 7, "sessions opened by the hospital"),
    ("Display too dark", "Pneumothorax overlooked", 9, 3, 7, "calibrate each quarter"),
    ("Printer takes the scanner's address", "Images lost on the way", 6, 3, 6, "addresses reserved"),
    ("Retention rule deletes priors", "Comparison impossible", 8, 2, 8, "legal hold and two signatures"),
    ("Prefetch fills the night", "Slow first image", 4, 5, 3, "limit by rule"))
CHANGES_FROM, CHANGES_UNTIL = "2024-01-08", "2025-07-01"
CHANGE_FAULTS = {
    "in a freeze": "the window lies in a freeze of the system, and nobody gave an exemption",
    "overlap": "two windows on one system at the same time",
    "overlap of neighbours": "windows at the same time on two systems that have an interface",
    "emergency never approved": "an emergency change that nobody approved afterwards",
    "approved afterwards": "a normal change that began before it was approved",
    "not a standard change": "called standard, but of a kind that is not pre-approved",
    "no back-out": "high risk, and no plan to go back",
    "approved by the implementer": "one person approved and did it",
    "nobody told": "the notice left out a group that uses the system",
    "overran": "it ended after its window",
}


class Changes:
    """Change control: systems and interfaces, requests, calendar, stakeholders, notices, hazards.

    fault_kinds : what can be wrong with a request, kind -> meaning; standard : kinds of change that are pre-approved
    """

    fault_kinds = CHANGE_FAULTS
    standard = STANDARD

    def __init__(self, h):
        self.h = h

    @cached_property
    def systems(self):
        """The configuration items: a list of System."""
        found = []
        for aet, host, _, modality, place, _ in world.DEVICES:
            if aet != "CT_ER":
                kind = "modality" if modality else "workstation" if aet.startswith("WS_") else "server"
                owner = place if modality else "Imaging IT"
                grade = 1 if aet in ("HV_PACS", "HV_MWL", "CTER01") else 3 if kind == "workstation" else 2
                found.append(System(aet, kind, host, owner, grade, kind == "server"))
        return found + [System(*one, one[0] in ("HIS", "RIS", "HV_ENGINE", "VOX", "EMR")) for one in OTHER_SYSTEMS]

    @cached_property
    def interfaces(self):
        """What depends on what: a list of Interface."""
        found = [Interface(source, target, "HL7", 2575, "IP address") for source, target in HL7_ROUTES]
        found += [Interface(*one) for one in OTHER_LINKS]
        for one in self.systems:
            if one.kind == "modality":
                photo = one.system in ("XC_WOUND",)
                found.append(Interface(one.system, "HV_VNA" if photo else "HV_PACS", "DICOM store", 11115 if photo else 11112, "AE title"))
                if not photo:
                    found += [Interface(one.system, "HV_MWL", "DICOM worklist", 11113, "AE title"),
                              Interface(one.system, "HV_MWL", "DICOM mpps", 11113, "AE title"),
                              Interface(one.system, "HV_PACS", "DICOM commit", 11112, "AE title"),
                              Interface("HV_PACS", one.system, "DICOM commit", 104, "AE title"),
                              Interface("HV_ROUTER", one.system, "DICOM store", 104, "AE title")]
                found.append(Interface(one.system, "NTP", "NTP", 123, "IP address"))
                switch = "SW_DENT_1" if "DENT" in one.system else "SW_RAD_1" if one.system < "MR" else "SW_RAD_2"
                found.append(Interface(one.system, switch, "network", 0, "IP address"))
            elif one.kind == "workstation":
                found += [Interface(one.system, "HV_PACS", "DICOM find", 11112, "AE title"),
                          Interface("HV_PACS", one.system, "DICOM store", 104, "AE title")]
            elif one.kind == "server":
                found += [Interface(one.system, "DNS", "DNS", 53, "IP address"),
                          Interface(one.system, "DIRECTORY", "LDAP", 636, "certificate"),
                          Interface(one.system, "NTP", "NTP", 123, "host name"), Interface(one.system, "VIRTUAL", "host", 0, "host name")]
                if one.system.startswith("HV_") or one.system in ("RIS", "EMR"):
                    found += [Interface(one.system, "SAN", "SAN", 0, "host name"),
                              Interface(one.system, "ARR", "syslog over TLS", 6514, "certificate")]
        # These know the scanners' titles without a connection to them.
        found += [Interface(keeper, one.system, "title in a table", 0, "AE title") for one in self.systems if one.kind == "modality"
                  for keeper in ("DOSE", "BILLING")]
        return found

    def affected(self, system, what="AE title"):
        """Who must act when `what` of `system` changes: those that have it in their configuration, a sorted list of names."""
        direct = {one.source for one in self.interfaces if one.target == system and (one.knows == what or what == "out of service")}
        if what == "AE title":          # a server checks the titles of those who call it
            direct |= {one.target for one in self.interfaces if one.source == system and one.protocol.startswith("DICOM")}
        return sorted(direct)

    def downstream(self, system):
        """Who notices when `system` is out of service, directly or through others: a sorted list of names."""
        seen, ahead = {system}, [system]
        users = {}
        for one in self.interfaces:
            users.setdefault(one.target, []).append(one.source)
        while ahead:
            for user in users.get(ahead.pop(), ()):
                if user not in seen:
                    seen.add(user)
                    ahead.append(user)
        return sorted(seen - {system})

    @cached_property
    def calendar(self):
        """Freezes, trauma calls, backups: a list of Period, by start."""
        lot = Lot(Draws(self.h.seed, "change calendar"))
        everything = ("*",)
        found = [Period("freeze", f"{first} 00:00:00", f"{last} 23:59:59", everything, note) for first, last, note in (
            ("2024-03-30", "2024-03-31", "clocks change"), ("2024-10-26", "2024-10-27", "clocks change"),
            ("2025-03-29", "2025-03-30", "clocks change"),
            ("2024-12-20", "2025-01-05", "holidays, few staff"), ("2024-11-18", "2024-11-22", "accreditation visit"))]
        found.append(Period("freeze", "2024-10-01 00:00:00", "2024-10-22 23:59:59", ("HV_PACS", "HV_MWL", "RIS", "HV_ENGINE"),
                            "release 6 of HV_PACS"))
        start = seconds("2024-01-05 18:00:00") + DAY * 7 * lot.below(3)
        while start < seconds(CHANGES_UNTIL):
            found.append(Period("trauma call", moment(start), moment(start + 62 * HOUR), ("CTER01", "CR_ER1", "HV_PACS"),
                                "region's trauma call is ours"))
            start += 21 * DAY
        for week in range(78):
            sunday = seconds("2024-01-07 01:00:00") + 7 * DAY * week
            found.append(Period("backup", moment(sunday), moment(sunday + 5 * HOUR), ("HV_PACS", "HV_VNA", "SAN", "BACKUP"), "full backup"))
        return sorted(found, key=lambda one: (one.starts_local, one.kind))

    @cached_property
    def _near(self):
        near = {}
        for one in self.interfaces:
            near.setdefault(one.source, set()).add(one.target)
            near.setdefault(one.target, set()).add(one.source)
        return near

    @cached_property
    def stakeholders(self):
        """Who is to be told of what: a list of Stakeholder."""
        return [Stakeholder(*one) for one in GROUPS]

    def to_tell(self, systems):
        """The groups that use one of `systems`: a tuple."""
        return tuple(one.group for one in self.stakeholders if set(one.systems) & set(systems))

    @cached_property
    def _made(self):
        lot = Lot(Draws(self.h.seed, "changes"))
        staff = self.h.staff
        doers = [user.user_id for user in staff.group("Imaging IT", "PACS administrator") + staff.group("Clinical engineering", "engineer")]
        board = ("chair of the control board", "deputy chair")
        risk_of = {one.system: one.criticality for one in self.systems}
        periods = [(seconds(one.starts_local), seconds(one.ends_local), one.systems) for one in self.calendar]
        rows, faults, taken = [], {kind: [] for kind in CHANGE_FAULTS}, []

        def free(systems, start, end):
            wide = set(systems).union(*(self._near.get(one, ()) for one in systems))
            return (not any(a < end and start < b and ("*" in hit or set(systems) & set(hit)) for a, b, hit in periods)
                    and not any(a < end and start < b and wide & set(other) for a, b, other in taken))

        def request(kind, title, systems, risk, start, end, **more):
            approver = lot.pick(board)
            doer = lot.pick(doers)
            asked = (start // DAY - lot.between(9, 30)) * DAY + lot.between(8 * HOUR, 17 * HOUR)
            if kind == "emergency":
                asked = start - lot.between(600, 3600)
            approved = {"standard": asked, "normal": start - lot.between(2, 8) * DAY, "emergency": end + lot.between(HOUR, DAY)}[kind]
            began = start + lot.below(900)
            ended = max(began + 600, end - lot.between(300, max(600, (end - start) // 2)))
            done = ended < NOW_LOCAL
            row = dict(kind=kind, title=title, systems=tuple(systems), risk=risk, requested_by=lot.pick(doers),
                       requested_local=moment(asked),
                       implementer=doer, starts_local=moment(start), ends_local=moment(end), began_local=moment(began) if done else None,
                       ended_local=moment(ended) if done else None,
                       approved_by=approver if approved < NOW_LOCAL else None,
                       approved_local=moment(approved) if approved < NOW_LOCAL else None,
                       back_out={"low": "undo the setting", "medium": "restore the saved configuration",
                                 "high": "return to the snapshot"}[risk],
                       tested=kind != "emergency" and lot.happens(900), notified=self.to_tell(systems) if kind != "emergency" else (),
                       notice_days=lot.between(7, 14) if kind == "normal" else 0,
                       result=None if not done else "backed out" if lot.happens(45) else "failed" if lot.happens(15) else "successful")
            row.update(more)
            rows.append(row)
            taken.append((start, end, tuple(systems)))
            return row

        def mark(kind, *rows_):
            faults[kind].append(rows_ if len(rows_) > 1 else rows_[0])

        case = self.h.truth["case_17"]
        engineer = staff.group("Clinical engineering", "engineer")[0].user_id
        renamed, repaired = local(story.RENAMED), local(story.REPAIRED)
        cause = request("standard", "CTER01 to a new release", ["CTER01"], "low", renamed - 2 * HOUR, renamed + 2 * HOUR,
                        implementer=engineer,
                        requested_by=engineer, began_local=moment(renamed - 2 * HOUR + 300), ended_local=moment(renamed + HOUR),
                        tested=False,
                        back_out="none: return visit of the vendor", notified=(), result="successful")
        mark("in a freeze", cause)
        mark("not a standard change", cause)
        mark("nobody told", cause)
        cure = request("emergency", f"HV_MWL told of {case['station_aet']}, clock of the scanner set", ["HV_MWL", "CTER01"], "low",
                       repaired - 1800,
                       repaired + 900, began_local=moment(repaired - 900), ended_local=moment(repaired + 300), approved_by=None,
                       approved_local=None,
                       result="successful", implementer=doers[0])
        mark("emergency never approved", cure)

        first, last = seconds(CHANGES_FROM) // DAY, seconds(CHANGES_UNTIL) // DAY
        plain = 0
        while plain < 400:
            day = first + lot.below(last - first)
            kind, title, risk, allowed = lot.pick(CHANGE_TITLES)
            system = lot.pick([one.system for one in self.systems if one.kind in allowed or one.system in allowed])
            hour = lot.pick((19, 20, 21, 22)) if risk != "low" or risk_of[system] == 1 else lot.pick((7, 12, 17, 20))
            start = day * DAY + hour * HOUR
            end = start + {"low": 1, "medium": 2, "high": 4}[risk] * HOUR
            if kind == "normal" and lot.happens(50) and day * DAY < NOW_LOCAL - 3 * DAY:
                kind, title = "emergency", "{} restored after a disturbance"
            if (day + 3) % 7 < 5 and free([system], start, end):
                request(kind, title.format(system), [system], risk, start, end)
                plain += 1

        # Then the faults, each in a place of its own.
        def slot(systems, hours, before=NOW_LOCAL - 2 * DAY):
            while True:
                start = (first + lot.below(last - first)) * DAY + 20 * HOUR
                if start < before and free(systems, start, start + hours * HOUR):
                    return start, start + hours * HOUR

        def some_system(*kinds):
            return lot.pick([one.system for one in self.systems if one.kind in kinds])
        for _ in range(3):
            system = some_system("server")
            start, end = slot([system], 3)
            one = request("normal", f"{system} operating system patches", [system], "low", start, end - HOUR)
            mark("overlap", one, request("normal", f"{system} database maintenance", [system], "medium", start + HOUR, end))
        for pair in (("HV_PACS", "SAN"), ("HV_ENGINE", "RIS"), ("HV_MWL", "DNS")):
            start, end = slot(pair, 4)
            one = request("normal", f"{pair[0]} to a new release", pair[:1], "high", start, end)
            mark("overlap of neighbours", one, request("normal", f"{pair[1]} hardware replaced", pair[1:], "high", start + HOUR, end))
        for _ in range(4):
            system = some_system("server", "infrastructure")
            start, end = slot([system], 1)
            mark("emergency never approved", request("emergency", f"{system} restored after a disturbance", [system], "medium", start, end,
                                                     approved_by=None, approved_local=None))
        for _ in range(4):
            system = some_system("server", "modality")
            start, end = slot([system], 2)
            mark("approved afterwards", request("normal", f"{system} configuration of character set", [system], "medium", start, end,
                                                approved_local=moment(end + lot.between(1, 4) * DAY)))
        for _ in range(3):
            system = some_system("server", "modality")
            start, end = slot([system], 2, NOW_LOCAL - 9 * DAY)
            mark("not a standard change", request("standard", f"firewall rule for {system}", [system], "medium", start, end))
        for _ in range(3):
            system = some_system("server")
            start, end = slot([system], 4)
            mark("no back-out", request("normal", f"{system} to a new release", [system], "high", start, end, back_out=""))
        for _ in range(3):
            system = some_system("modality", "server")
            start, end = slot([system], 2)
            row = request("normal", f"{system} to another VLAN", [system], "medium", start, end)
            row["approved_by"] = row["implementer"]
            mark("approved by the implementer", row)
        for _ in range(4):
            system = lot.pick(("HV_PACS", "HV_MWL", "RIS", "EMR"))
            start, end = slot([system], 2)
            row = request("normal", f"{system} database maintenance", [system], "medium", start, end)
            row["notified"] = tuple(group for group in row["notified"] if group != "Emergency")
            mark("nobody told", row)
        for _ in range(5):
            system = some_system("server", "infrastructure")
            start, end = slot([system], 2)
            late = moment(end + lot.between(1800, 2 * HOUR))
            mark("overran", request("normal", f"{system} database maintenance", [system], "medium", start, end, ended_local=late,
                                    result="successful"))
        for begins in ("2024-12-23 20:00:00", "2024-11-19 20:00:00", "2024-10-26 20:00:00"):
            system = some_system("server")
            while not all(b <= seconds(begins) or seconds(begins) + 2 * HOUR <= a
                          or system not in self._near.get(other[0], {other[0]}) | {other[0]}
                          for a, b, other in taken):
                system = some_system("server")
            mark("in a freeze", request("normal", f"{system} new certificate", [system], "medium", seconds(begins),
                                        seconds(begins) + 2 * HOUR))
        order = sorted(rows, key=lambda row: (row["requested_local"], row["starts_local"], row["title"]))
        number = {id(row): f"CHG{place:04d}" for place, row in enumerate(order, 1)}
        truth = {kind: [tuple(number[id(one)] for one in found) if isinstance(found, tuple) else number[id(found)] for found in marked]
                 for kind, marked in faults.items()}
        truth["case_17"] = {"cause": number[id(cause)], "cure": number[id(cure)]}
        return [Change(number[id(row)], **row) for row in order], truth

    @property
    def requests(self):
        """The requests for change of 18 months: a list of Change, by number."""
        return self._made[0]

    @property
    def truth(self):
        """{kind of CHANGE_FAULTS: change_ids, or pairs of them for the overlaps}; `case_17`: {'cause', 'cure'}."""
        return self._made[1]

    @cached_property
    def buffers(self):
        """How long scanners can go on without the archive: a list of Buffer. The busy hour makes a tenth of a day's bytes."""
        lot = Lot(Draws(self.h.seed, "change buffers"))
        since = moment(utc_of(NOW_LOCAL) - 30 * DAY)
        made = dict(self.h.pacs.rows("SELECT station_aet, sum(size_bytes) FROM series "
                                     f"WHERE created_utc >= '{since}' GROUP BY station_aet")[1])
        share = max(1, 800_000 // self.h.studies)           # the edition is a sample of the hospital's studies since 2021
        return [Buffer(one.system, lot.between(20, 400) * 10 ** 9, made.get(one.system, 0) * share // 300) for one in self.systems
                if one.kind == "modality"]

    @cached_property
    def notices(self):
        """Notices of changes of high risk: a list of Notice. `notice_faults` tells what some of them lack."""
        return [one for one, _ in self._notices]

    @property
    def notice_faults(self):
        """{change_id: what its notice lacks: end, time zone, impact, workaround or contact}."""
        return {one.change_id: lacks for one, lacks in self._notices if lacks}

    @cached_property
    def _notices(self):
        lot, found = Lot(Draws(self.h.seed, "change notices")), []
        for one in self.requests:
            if one.risk != "high" or one.kind != "normal":
                continue
            lacks = lot.pick(("end", "time zone", "impact", "workaround", "contact")) if lot.happens(350) else None
            zone = "" if lacks == "time zone" else " (Europe/Amsterdam)"
            until = "" if lacks == "end" else f" until {day_first(one.ends_local)}"
            parts = [f"Planned downtime {one.change_id}: {one.title}.", f"From {day_first(one.starts_local)}{until}{zone}."]
            parts += [] if lacks == "impact" else [f"Impact: {' and '.join(one.systems)} cannot be used."]
            parts += [] if lacks == "workaround" else ["Workaround: use the downtime forms; scanners keep their images."]
            parts += [] if lacks == "contact" else ["Contact: service desk, extension 4100."]
            sent = seconds(one.starts_local) - one.notice_days * DAY
            if sent < NOW_LOCAL:
                found.append((Notice(one.change_id, moment(sent), " ".join(parts)), lacks))
        return found

    @property
    def hazards(self):
        """The failure mode and effects analysis of the imaging service: a list of Hazard."""
        return [Hazard(f"H{number:02d}", *one) for number, one in enumerate(HAZARDS, 1)]


# ---- workflow (lab B4)

class Event(NamedTuple):
    """A time stamp of an exam, as `source` exports it. `at` is text in the source's own way; `activity`: one of ACTIVITIES.

    accession : as the source has it; '' where the archive has none. study_uid : '' where the source does not know it
    """

    accession: str
    study_uid: str
    activity: str
    at: str
    source: str
    resource: str


# 'scheduled' is the planned start, the others are when it happened.
ACTIVITIES = ("ordered", "scheduled", "arrived", "exam begun", "exam ended", "stored", "dictated", "preliminary", "final")
# source: seconds its clock is ahead of the true wall clock, and how it writes time
SOURCES = {"RIS": (-240, "wall clock, day first, no seconds"), "MPPS": (0, "the scanner's own clock: DICOM date and time without zone"),
           "HV_PACS": (0, "UTC"), "VOX": (95, "wall clock without zone"),
           "header": (0, "Study Date and Time in the images, by the scanner's own clock; only where no MPPS came")}


class Workflow:
    """Exams of the last 30 days from order to final report, from four systems with four clocks. `sources`: their ways."""

    sources = SOURCES
    activities = ACTIVITIES

    def __init__(self, h):
        self.h = h

    @cached_property
    def true_times(self):
        """{accession: {activity: seconds UTC}} by a right clock; also `class` (E, I, O), `priority`, `modality`, `station`,
        `locked_out`, and `study`, a ``flow.Study``."""
        lot, found = Lot(Draws(self.h.seed, "workflow")), {}
        f = flow(self.h, *span())
        begun = {row[0]: seconds(row[3]) for row in self.h.logs.dictation}
        reported = self._reported
        for study in f.studies.values():
            order = f.orders.get(study.order_pk)
            if order is None or study.deleted or order.accession in found:
                continue
            visit = f.visits.get(order.visit_pk)
            times = {"ordered": order.ordered}
            if order.priority == "ROUTINE":
                times["scheduled"] = utc_of(order.scheduled)
            wait = lot.between(120, 1500) if order.priority != "ROUTINE" else lot.between(300, 3000)
            times["arrived"] = max(order.ordered + 60, study.began - wait)
            times["exam begun"] = study.began
            times["exam ended"] = study.complete or min(study.created, study.began + lot.between(240, 1500))
            times["stored"] = study.created
            times.update(reported.get(order.accession, {}))
            if "final" in times:
                first = times.get("preliminary", times["final"])
                drawn, logged = max(times["stored"] + 30, first - lot.between(120, 1500)), begun.get(study.uid, 0)
                times["dictated"] = logged if times["stored"] < logged < first else drawn       # else a prior that was opened
            found[order.accession] = {**times, "class": visit.kind if visit else "O", "priority": order.priority,
                                      "modality": order.modality,
                                      "station": study.series[0].station if study.series else order.station,
                                      "locked_out": locked_out(study), "study": study}
        return found

    @cached_property
    def _reported(self):
        """{accession: {'preliminary' and 'final': seconds UTC}} from the ORU messages that went to the EMR's engine."""
        found = {}
        for message in self.h.feed:
            if message.event != "ORU^R01" or message.receiver == "EMR":
                continue
            obr = next(line for line in message.text.replace("\n", "\r").split("\r") if line.startswith("OBR|")).split("|")
            kind = {"P": "preliminary", "F": "final"}.get(obr[25])
            if kind:
                found.setdefault(obr[20] or obr[18], {})[kind] = seconds(message.at_utc)
        return found

    @cached_property
    def _planted(self):
        lot, events, planted = Lot(Draws(self.h.seed, "workflow flaws")), [], {"missing": [], "twice": [], "no accession": []}
        origin = {"ordered": "RIS", "scheduled": "RIS", "arrived": "RIS", "exam begun": "MPPS", "exam ended": "MPPS", "stored": "HV_PACS",
                  "dictated": "VOX", "preliminary": "VOX", "final": "VOX"}
        for accession, times in self.true_times.items():
            for activity in ACTIVITIES:
                if activity not in times:
                    continue
                source, utc = origin[activity], times[activity]
                study = times["study"]
                if source == "MPPS" and times["locked_out"]:          # its procedure step was refused
                    if activity == "exam begun":
                        events.append((utc, Event(study.accession or "", study.uid, activity, study.local, "header", times["station"])))
                    continue
                if activity in ("arrived", "exam ended") and lot.happens(45):
                    planted["missing"].append((accession, activity))
                    continue
                ahead = SOURCES[source][0]
                if source == "RIS":
                    at = day_first(moment(local(utc) + ahead))
                elif source == "MPPS":
                    at = moment(local(utc)).replace("-", "").replace(":", "").replace(" ", ".")
                elif source == "HV_PACS":
                    at = moment(utc).replace(" ", "T") + "Z"
                else:
                    at = moment(local(utc) + ahead)
                row = Event(accession, "", activity, at, source, times["station"] if source == "MPPS" else source)
                if source == "HV_PACS":
                    row = row._replace(accession=study.accession or "", study_uid=study.uid, resource=times["station"])
                    if study.accession != accession:
                        planted["no accession"].append((accession, activity))
                if source == "RIS" and lot.happens(12):
                    planted["twice"].append((accession, activity))
                    events.append((utc + 1, row))
                events.append((utc, row))
        # The RIS exports by the time of entry, so some rows come late.
        events = [(utc + (lot.between(HOUR, 20 * HOUR) if row.source == "RIS" and lot.happens(25) else 0), row) for utc, row in events]
        return [row for _, row in sorted(events)], planted

    @property
    def events(self):
        """The event log as it was put together from four exports: a list of Event."""
        return self._planted[0]

    @property
    def truth(self):
        """What is planted: `clocks` {source: seconds ahead}; `missing`, `twice`, `no accession` (the archive
        has none, or another): (accession, activity) pairs, the accession as the RIS has it; `locked_out`: accessions
        without MPPS because the renamed scanner was refused."""
        planted = self._planted[1]
        return {"clocks": {source: ahead for source, (ahead, _) in SOURCES.items()}, "missing": planted["missing"],
                "twice": planted["twice"],
                "no accession": planted["no accession"],
                "locked_out": [accession for accession, times in self.true_times.items() if times["locked_out"]]}


# ---- other departments (labs B7, B8)

class Collection(NamedTuple):
    """Images that a department owns. formats: as stored today; identity: what ties an image to a patient.

    basis : 'order' or 'encounter', what the imaging starts from; growth in percent a year; rule: a RetentionRule
    """

    department: str
    kind: str
    formats: tuple
    system: str
    place: str
    owner: str
    identity: str
    basis: str
    items_per_year: int
    bytes_per_item: int
    growth_percent: int
    kept_bytes: int
    rule: str
    copies: int


class RetentionRule(NamedTuple):
    """How long the house keeps images: years after `counted_from`; `minor_until`: at least until this age, or None."""

    rule: str
    applies_to: str
    years: int
    counted_from: str
    minor_until: int | None
    note: str


class Hold(NamedTuple):
    """Images of a patient that may not be deleted, whatever the rule: kind litigation or research."""

    patient_id: str
    kind: str
    since: str
    until: str | None


class Job(NamedTuple):
    """A job that moves data: on which weekdays (0 Monday), from hour to hour (24-hour wall clock), what it uses."""

    job: str
    system: str
    weekdays: tuple
    starts: str
    ends: str
    uses: str


class Photo(NamedTuple):
    """A file on the share of a department."""

    path: str
    size_bytes: int
    modified: str


# department, kind, formats, system, place, unit and role of the owner, identity, basis, items a year, bytes an item, growth, rule
COLLECTIONS = (
    ("Cardiology", "echocardiography", ("DICOM",), "CARD", "server of CARD", "Cardiology", "sonographer", "worklist", "order", 4300,
     300_000_000, 6, "ADULT"),
    ("Cardiology", "ECG", ("SCP-ECG", "PDF"), "CARD", "server of CARD", "Cardiology", "sonographer", "typed", "encounter", 31_000, 90_000,
     2, "ADULT"),
    ("Cath lab", "angiography", ("DICOM",), "CARD", "server of CARD", "Cath lab", "technologist", "worklist", "order", 1900, 420_000_000, 4,
     "ADULT"),
    ("Cath lab", "IVUS and OCT", ("DICOM", "vendor"), "console", "disks of the consoles", "Cath lab", "technologist", "typed", "order", 380,
     350_000_000, 9, "ADULT"),
    ("Obstetrics", "ultrasound", ("DICOM", "JPEG", "AVI"), "device", "USB disk in a drawer", "Obstetrics", "sonographer", "typed",
     "encounter", 9100, 55_000_000, 3, "MINOR"),
    ("Emergency", "point-of-care ultrasound", ("MP4", "JPEG"), "device", "disks of three devices", "Emergency", "physician", "none",
     "encounter", 5200, 38_000_000, 28, "ADULT"),
    ("Dental clinic", "intra-oral and panoramic", ("DICOM", "vendor"), "DENTAL", "server of DENTAL", "Dental clinic", "dentist",
     "practice number", "encounter", 7600, 3_000_000, 3, "ADULT"),
    ("Dental clinic", "cone beam CT", ("DICOM",), "DENTAL", "server of DENTAL", "Dental clinic", "dentist", "practice number", "order", 420,
     240_000_000, 12, "ADULT"),
    ("Wound clinic", "photographs", ("JPEG",), "share", "\\\\hv-file\\wounds", "Wound clinic", "nurse", "file name", "encounter", 11_800,
     4_200_000, 15, "ADULT"),
    ("Outpatient clinic", "skin photographs", ("JPEG", "HEIC"), "phone", "phones and e-mail", "Outpatient clinic", "physician", "none",
     "encounter", 6900, 3_100_000, 22, "ADULT"),
    ("Ophthalmology", "fundus and OCT", ("vendor", "DICOM", "JPEG"), "EYE", "server of EYE", "Outpatient clinic", "physician", "typed",
     "encounter", 14_200, 46_000_000, 11, "ADULT"),
    ("Endoscopy", "stills and video", ("JPEG", "MP4"), "ENDO", "server of ENDO", "Outpatient clinic", "physician", "worklist", "order",
     5800, 2_900_000_000, 10, "ADULT"),
    ("Operating theatres", "laparoscopy video", ("MP4",), "recorder", "DVDs and a share", "Ward 3B", "physician", "typed", "encounter",
     2400, 5_200_000_000, 14, "ADULT"),
    ("Pathology", "whole-slide images", ("TIFF", "vendor"), "PATHOLOGY", "server of PATHOLOGY", "Clinical research", "researcher",
     "case number", "order", 26_000, 1_100_000_000, 35, "TISSUE"),
    ("Physiotherapy", "gait video", ("MOV",), "share", "\\\\hv-file\\gait", "Physiotherapy", "physiotherapist", "file name", "encounter",
     640, 610_000_000, 5, "ADULT"),
    ("Nuclear medicine", "raw data", ("vendor",), "console", "disk of NM1", "Nuclear medicine", "technologist", "worklist", "order", 5100,
     22_000_000, 2, "RAW"),
    ("Breast clinic", "mammography", ("DICOM",), "HV_PACS", "archive", "Breast clinic", "physician", "worklist", "order", 30_000,
     260_000_000, 7, "BREAST"),
    ("Clinical research", "trial copies", ("DICOM", "NIfTI"), "TEACHING", "server of TEACHING", "Clinical research", "researcher",
     "trial number", "order", 2100, 310_000_000, 18, "TRIAL"),
)
# The house's rules, invented for the course. That for the breast clinic has the form of 21 CFR 900.12(c)(4).
RULES = (
    ("ADULT", "all images not named below", 20, "last contact", None, "house rule"),
    ("MINOR", "patients under 18 at the exam", 20, "18th birthday", 38, "house rule"),
    ("BREAST", "mammograms", 5, "date of the exam", None, "10 years if no later mammogram was made here; longer if another rule says so"),
    ("TISSUE", "slides", 30, "date of the exam", None, "house rule"),
    ("RAW", "raw data of scanners", 1, "date of the exam", None, "after the report is final"),
    ("TRIAL", "copies for trials", 25, "end of the trial", None, "the sponsor's contract goes first"))
JOBS = (("Full backup of HV_PACS", "HV_PACS", "6", "01:00", "06:00", "SAN"),
        ("Replication to the second site", "HV_VNA", "0123456", "22:00", "04:00", "line to Eastcliff"),
        ("Migration to HV_VNA", "HV_PACS", "0123456", "01:00", "04:00", "SAN"),
        ("Integrity check of HV_VNA", "HV_VNA", "25", "02:00", "06:00", "SAN"),
        ("Backup of EMR", "EMR", "0123456", "23:00", "00:30", "SAN"),
        ("Export of trial copies", "TEACHING", "4", "20:00", "23:00", "line to Eastcliff"),
        ("Transfer of whole-slide images", "PATHOLOGY", "01234", "18:00", "21:00", "SAN"),
        ("Prefetch for the next day", "HV_ROUTER", "01234", "20:30", "22:00", "HV_PACS"),
        ("Index maintenance of HV_PACS", "HV_PACS", "3", "21:00", "22:30", "HV_PACS"),
        ("Teleradiology copies", "HV_PACS", "0123456", "00:00", "02:00", "line to Eastcliff"))


class Departments:
    """Who owns images beside radiology: inventory, retention, holds, jobs, and a share full of photographs."""

    def __init__(self, h):
        self.h = h

    @cached_property
    def inventory(self):
        """The collections: a list of Collection."""
        lot, found = Lot(Draws(self.h.seed, "departments")), []
        for *head, unit, role, identity, basis, items, size, growth, rule in COLLECTIONS:
            owner = lot.pick(self.h.staff.group(unit, role)).user_id
            items = items * lot.between(92, 108) // 100
            years = lot.between(3, 9)
            found.append(Collection(*head, owner, identity, basis, items, size, growth, items * size * years * 3 // 4, rule,
                                    1 if head[4].startswith(("disk", "USB", "phone", "DVD")) else 2))
        return found

    @property
    def rules(self):
        """The retention rules: a list of RetentionRule."""
        return [RetentionRule(*one) for one in RULES]

    @cached_property
    def holds(self):
        """What may not be deleted: a list of Hold for patients of the archive. Some holds have ended."""
        lot = Lot(Draws(self.h.seed, "holds"))
        _, rows = self.h.pacs.rows("SELECT DISTINCT p.pid FROM patient p JOIN study s ON s.patient_pk = p.pk WHERE p.issuer_pk = 1 AND "
                                   "p.merged_into IS NULL AND s.created_utc < '2023-01-01' ORDER BY p.pk")
        found = []
        for (pid,) in some(lot, rows, 40):
            year = lot.between(2021, 2024)
            until = None if lot.happens(500) else f"{lot.between(year + 1, 2027)}-{lot.between(1, 12):02d}-01"
            found.append(Hold(pid, "litigation" if lot.happens(600) else "research", f"{year}-{lot.between(1, 12):02d}-15", until))
        return found

    @property
    def jobs(self):
        """What runs when and uses what: a list of Job."""
        return [Job(name, system, tuple(int(day) for day in days), starts, ends, uses) for name, system, days, starts, ends, uses in JOBS]

    @cached_property
    def _share(self):
        lot = Lot(Draws(self.h.seed, "wound share"))
        _, rows = self.h.pacs.rows("SELECT p.pid, p.name_norm FROM patient p WHERE p.issuer_pk = 1 AND p.merged_into IS NULL "
                                   "AND p.pid GLOB 'HV[0-9]*' ORDER BY p.pk LIMIT 400")
        photos, truth = [], {}
        day = seconds("2024-01-02")
        while day < NOW_LOCAL:
            if (day // DAY + 3) % 7 < 5:
                for _ in range(lot.between(1, 4)):
                    pid, name = lot.pick(rows)
                    family, *given = name.split("^")
                    date = moment(day)[:10]
                    stem, what = lot.pick((
                        (f"{pid}_{date}", "patient ID"), (f"{pid}_{date}", "patient ID"), (f"{pid.lower()} {date}", "patient ID"),
                        (f"{family.title()} {''.join(given)[:1]} {date}", "name only"), (f"IMG_{lot.between(1000, 9999)}", "nothing"),
                        (f"{pid[:-1]}_{date}", "patient ID cut off"), (f"wond {family.title()} {date[8:]}-{date[5:7]}", "name only")))
                    for number in range(1, 1 + lot.between(1, 4)):
                        path = f"{date[:4]}/{date[5:7]}/{stem}_{number}.jpg"
                        if path not in truth:
                            photos.append(Photo(path, lot.between(1_800_000, 6_400_000), moment(day + lot.between(8 * HOUR, 17 * HOUR))))
                            truth[path] = (what, pid)
            day += DAY
        return photos, truth

    @property
    def share(self):
        """The wound clinic's photographs on its share: a list of Photo, by day."""
        return self._share[0]

    @cached_property
    def truth(self):
        """What is planted.

        share : {path: (what its name tells, patient_id of the person)}
        clashes : pairs of jobs that use one thing at the same time, in the order of `jobs`
        one_copy : (department, kind) of collections without a second copy
        ended_holds : patient_ids whose hold has ended
        """
        def spans(job):
            start, end = (int(text[:2]) * 60 + int(text[3:]) for text in (job.starts, job.ends))
            return [(day * 1440 + start, day * 1440 + end + (1440 if end <= start else 0)) for day in job.weekdays]

        def clash(one, other):
            return any(a < d + shift and c + shift < b for a, b in spans(one) for c, d in spans(other) for shift in (-10_080, 0, 10_080))
        jobs = self.jobs
        return {"share": self._share[1],
                "clashes": [(one.job, other.job) for place, one in enumerate(jobs) for other in jobs[place + 1:]
                            if one.uses == other.uses and clash(one, other)],
                "one_copy": [(one.department, one.kind) for one in self.inventory if one.copies == 1],
                "ended_holds": [one.patient_id for one in self.holds if one.until and one.until <= str(world.NOW.date())]}


# ---- the service desk (lab B9)

class Ticket(NamedTuple):
    """A ticket of the service desk; local wall clock. impact and urgency: 1 high to 3 low; priority as recorded, 1 to 5.

    answered : first response. pending_minutes : how long it waited for the caller, which the service level does not count
    """

    ticket_id: str
    opened_local: str
    answered_local: str
    resolved_local: str | None
    caller: str
    unit: str
    category: str
    impact: int
    urgency: int
    priority: int
    pending_minutes: int
    worked_minutes: int
    assignee: str
    reopened: bool
    summary: str


class Level(NamedTuple):
    """The agreed service level of a priority, in minutes; clock: 'always' or 'service hours' (Monday to Friday 08:00 to 17:00)."""

    priority: int
    answer_minutes: int
    resolve_minutes: int
    clock: str


class Duty(NamedTuple):
    """Who is on call, and from when to when, wall clock."""

    user_id: str
    starts_local: str
    ends_local: str


class Worked(NamedTuple):
    """Time worked: kind 'day' or 'call-out' (with its ticket); wall clock."""

    user_id: str
    kind: str
    starts_local: str
    ends_local: str
    ticket_id: str | None


class Leave(NamedTuple):
    """Days off, dates inclusive."""

    user_id: str
    first: str
    last: str


class Skill(NamedTuple):
    """What an associate can do: level 0 (no) to 4 (teaches it); `needed` of the two who know it best, for the on-call list."""

    user_id: str
    skill: str
    level: int
    needed: int


class Plan(NamedTuple):
    """An item of the roadmap: year 1 to 3 of its start, thousands of euros once, each year after, and saved each year after."""

    item: str
    year: int
    once: int
    yearly: int
    saved: int


ROADMAP = (("Enterprise archive replaces HV_VNA", 1, 1450, 260, 390), ("Encounter-based imaging for four departments", 2, 320, 45, 120),
           ("DICOM over TLS everywhere", 1, 140, 20, 0), ("Second interface analyst", 1, 15, 92, 110),
           ("Tomosynthesis on all workstations", 2, 210, 25, 30),
           ("Viewer in the EMR", 2, 380, 70, 160), ("Unchangeable backup", 1, 230, 40, 0), ("Badge login at the scanners", 3, 160, 18, 55))
# Impact and urgency to priority: the house's table, of the three by three form that many take from ITIL.
PRIORITY = {(1, 1): 1, (1, 2): 2, (2, 1): 2, (1, 3): 3, (2, 2): 3, (3, 1): 3, (2, 3): 4, (3, 2): 4, (3, 3): 5}
LEVELS = ((1, 15, 240, "always"), (2, 30, 480, "always"), (3, 240, 1080, "service hours"), (4, 540, 2700, "service hours"),
          (5, 1080, 5400, "service hours"))
REST_HOURS = 11                     # Directive 2003/88/EC, article 3: of daily rest, in one piece
# category: share of the tickets, minutes of work, impact weights, urgency weights, summaries
CATEGORIES = (
    ("how-to", 24, (4, 20), (0, 12, 88), (4, 26, 70), ("how do I show the prior", "measure an angle", "cannot find the patient",
                                                       "hanging looks wrong")),
    ("login", 15, (3, 12), (0, 10, 90), (10, 50, 40), ("password expired", "account locked", "role missing")),
    ("unverified study", 14, (8, 35), (3, 32, 65), (12, 48, 40),
     ("study without accession number", "wrong patient on study", "two studies, one order")),
    ("worklist", 9, (10, 60), (12, 48, 40), (30, 50, 20), ("worklist empty", "patient missing in worklist", "old orders in worklist")),
    ("slow", 8, (20, 120), (8, 52, 40), (10, 55, 35), ("images open slowly", "viewer hangs", "search takes minutes")),
    ("sending", 8, (15, 90), (10, 50, 40), (25, 55, 20), ("send queue stuck", "study incomplete", "images missing in archive")),
    ("CD import", 7, (10, 40), (0, 15, 85), (8, 42, 50), ("CD does not import", "import under wrong number")),
    ("report link", 5, (15, 80), (6, 44, 50), (15, 55, 30), ("report missing in EMR", "report under wrong study")),
    ("display", 4, (20, 90), (2, 38, 60), (8, 42, 50), ("monitor dark", "colours differ", "second monitor off")),
    ("interface", 3, (40, 300), (25, 50, 25), (35, 50, 15), ("messages queue in the engine", "merge not applied")),
    ("privacy", 2, (30, 150), (5, 45, 50), (20, 50, 30), ("who looked at my images", "image sent to wrong address")),
    ("outage", 1, (60, 320), (70, 28, 2), (85, 15, 0), ("archive does not answer", "no worklist at all scanners",
                                                        "network down in radiology")),
)
DESK_FROM, DESK_DAYS = "2024-08-12", 238
TICKETS_A_WEEK = 212
SKILLS = ("archive", "worklist", "interface engine", "database", "network", "viewer", "security", "teaching")
DESK_HOURS = (6, 4, 4, 4, 4, 6, 14, 34, 78, 92, 90, 84, 60, 72, 84, 80, 70, 44, 26, 20, 18, 16, 12, 8)
HOUR_LOT = tuple(hour for hour, weight in enumerate(DESK_HOURS) for _ in range(weight))
CATEGORY_LOT = tuple(place for place, one in enumerate(CATEGORIES) for _ in range(one[1]))
OFFICE = 8 * HOUR, 17 * HOUR


def service_minutes(start, end):
    """Minutes of service hours between two moments of the wall clock (seconds)."""
    total = 0
    for day in range(start // DAY, end // DAY + 1):
        if has_service(day):
            total += max(0, min(end, day * DAY + OFFICE[1]) - max(start, day * DAY + OFFICE[0]))
    return total // 60


class Desk:
    """The service desk of imaging IT: tickets, service levels, on-call duties, hours worked, leave, skills.

    matrix : {(impact, urgency): priority}; rest_hours : of rest before the next work begins
    """

    matrix = PRIORITY
    rest_hours = REST_HOURS
    levels = [Level(*one) for one in LEVELS]

    def __init__(self, h, training):
        self.h, self._training = h, training
        self._admins = [user.user_id for user in h.staff.group("Imaging IT", "PACS administrator")]

    @cached_property
    def _made(self):
        lot, rows = Lot(Draws(self.h.seed, "desk")), []
        first = seconds(DESK_FROM)
        everybody = [user for user in self._training.users]
        untrained = set(self._training.truth["untrained"])
        green = [user for user in everybody if user.user_id in untrained]
        live = seconds(RELEASE_6)
        for week in range(DESK_DAYS // 7):
            for _ in range(TICKETS_A_WEEK * lot.between(93, 107) // 100):
                day = week * 7 + lot.pick((0,) * 20 + (1,) * 18 + (2,) * 18 + (3,) * 18 + (4,) * 17 + (5,) * 5 + (6,) * 4)
                rows.append(self._ticket(lot, first + day * DAY + self._hour(lot) * HOUR + lot.below(HOUR), everybody))
            since = first + week * 7 * DAY - live
            if -7 * DAY < since < 42 * DAY:                             # a new release asks for questions, of the untrained most
                for _ in range(TICKETS_A_WEEK * (42 * DAY - max(0, since)) // (42 * DAY) // 2):
                    moment_ = max(live, first + week * 7 * DAY) + lot.below(5) * DAY + self._hour(lot) * HOUR + lot.below(HOUR)
                    rows.append(self._ticket(lot, moment_, green if lot.happens(640) else everybody, CATEGORIES[0]))
        # What the course tells of.
        technologist = next(iter(self.h.staff.on_duty("Radiology", "technologist", local(story.ORDERED))), everybody[0])
        nurse = self.h.staff.group("Emergency", "nurse")[0]
        admin = self._admins
        story_rows = (
            (local(story.ORDERED) + 1260, technologist, "worklist", 1, 1, 4, "worklist empty on CTER01 since Saturday", "C17"),
            (local(story.PARTNER_ASKED) + 1800, nurse, "sending", 2, 1, 3, "CT of the night not found under the patient's number", "C17"),
            (local(FAILED_DISK) + 300, None, "outage", 2, 1, 2, "shelf of HV_VNA: disk failed, spare rebuilding", "K4-01-1"))
        stories = []
        for opened, who, category, impact, urgency, priority, summary, incident in story_rows:
            row = self._ticket(lot, opened, [who] if who else everybody, next(one for one in CATEGORIES if one[0] == category))
            row.update(impact=impact, urgency=urgency, priority=priority, summary=summary, caller=who.user_id if who else "monitoring",
                       unit=who.unit if who else "Imaging IT", assignee=admin[0])
            self._times(lot, row)
            if category == "worklist":                                   # nobody came before Monday morning
                row.update(answered=local(story.REPAIRED) - 1500, resolved=local(story.REPAIRED), pending=0)
            row["incident"] = incident
            stories.append(row)
        rows += stories
        rows = [row for row in rows if row["opened"] < NOW_LOCAL]
        rows.sort(key=lambda row: (row["opened"], row["summary"], row["caller"]))
        tickets, truth = [], {"priority": {}, "twice": {}, "story": {}, "impossible": []}
        for number, row in enumerate(rows, 41_001):
            name = f"T{number}"
            row["id"] = name
            if row.get("incident"):
                truth["story"][name] = row["incident"]
            if row["priority"] != PRIORITY[row["impact"], row["urgency"]]:
                truth["priority"][name] = PRIORITY[row["impact"], row["urgency"]]
            if row["resolved"] is not None and row["resolved"] < row["opened"]:
                truth["impossible"].append(name)
            tickets.append(Ticket(name, moment(row["opened"]), moment(row["answered"]),
                                  moment(row["resolved"]) if row["resolved"] else None,
                                  row["caller"], row["unit"], row["category"], row["impact"], row["urgency"], row["priority"],
                                  row["pending"],
                                  row["worked"], row["assignee"], row["reopened"], row["summary"]))
        # The same call, entered twice.
        places = some(lot, range(len(tickets)), 25)
        for place in reversed(places):
            one = tickets[place]
            again = one._replace(ticket_id=one.ticket_id + "-2", opened_local=moment(seconds(one.opened_local) + 120),
                                 summary=one.summary.upper())
            tickets.insert(place + 1, again)
            truth["twice"][again.ticket_id] = one.ticket_id
        return tickets, truth

    def _hour(self, lot):
        return lot.pick(HOUR_LOT)

    def _ticket(self, lot, opened, callers, category=None):
        category = category or CATEGORIES[lot.pick(CATEGORY_LOT)]
        name, _, minutes, impacts, urgencies, summaries = category
        who = lot.pick(callers)
        impact, urgency = (1 + next(place for place in range(3) if draw < sum(weights[:place + 1]))
                           for draw, weights in ((lot.below(100), impacts), (lot.below(100), urgencies)))
        priority = PRIORITY[impact, urgency]
        if who.role in ("radiologist", "physician") and lot.happens(90) or lot.happens(15):
            priority = max(1, priority - lot.between(1, 2))              # who calls loudest
        row = dict(opened=opened, caller=who.user_id, unit=who.unit, category=name, impact=impact, urgency=urgency, priority=priority,
                   worked=lot.between(*minutes), assignee=lot.pick(self._admins), reopened=lot.happens(40), summary=lot.pick(summaries))
        self._times(lot, row)
        return row

    def _times(self, lot, row):
        level = self.levels[row["priority"] - 1]
        share = lot.between(10, 110) if lot.happens(930) else lot.between(110, 260)
        opened = row["opened"]
        row["pending"] = lot.between(30, 1500) if row["priority"] > 2 and lot.happens(180) else 0
        if level.clock == "always":
            row["answered"] = opened + level.answer_minutes * 60 * share // 100
            row["resolved"] = row["answered"] + max(row["worked"], level.resolve_minutes * lot.between(8, 96) // 100) * 60
        else:
            row["answered"] = after_service(opened, level.answer_minutes * share // 140)
            row["resolved"] = after_service(row["answered"], row["worked"] + level.resolve_minutes * lot.between(2,
                88) * share // 11_000) + row["pending"] * 60
        if row["resolved"] > NOW_LOCAL:
            row["resolved"] = None
        elif lot.happens(2):
            row["resolved"] = opened - lot.between(60, 3000)             # a typing error
        row["answered"] = min(row["answered"], NOW_LOCAL)

    @property
    def tickets(self):
        """The tickets of 34 weeks: a list of Ticket, by number."""
        return self._made[0]

    @cached_property
    def leave(self):
        """Holidays of the associates: a list of Leave."""
        lot, found = Lot(Draws(self.h.seed, "desk leave")), []
        for user_id in self._admins:
            for month in (9, 10, 12, 2, 5):
                if lot.happens(700):
                    first = datetime.date(2025 if month < 8 else 2024, month, lot.between(1, 18))
                    found.append(Leave(user_id, str(first), str(first + datetime.timedelta(lot.between(4, 11)))))
        return sorted(found, key=lambda one: (one.first, one.user_id))

    @cached_property
    def _planned(self):
        """On-call weeks from Monday 17:00 to Monday 08:00, with four faults; (duties, truth)."""
        lot = Lot(Draws(self.h.seed, "desk duties"))
        away = [(one.user_id, seconds(one.first), seconds(one.last) + DAY) for one in self.leave]
        duties, turn = [], 0
        first = seconds(DESK_FROM)

        def gone(user_id, start):
            return any(user_id == who and a < start + 7 * DAY and start < b for who, a, b in away)
        for week in range(46):
            start = first + week * 7 * DAY + 17 * HOUR
            before = duties[-1].user_id if duties else None
            able = [one for one in self._admins[turn:] + self._admins[:turn] if one != before and not gone(one, start)]
            who = able[0] if able else next(one for one in self._admins if one != before)
            turn = (self._admins.index(who) + 1) % len(self._admins)
            duties.append(Duty(who, moment(start), moment(start + 7 * DAY - 9 * HOUR)))
        weeks = some(lot, range(4, 40, 4), 3)
        again, gap, both = weeks
        duties[again] = duties[again]._replace(user_id=duties[again - 1].user_id)
        late = seconds(duties[gap].starts_local) + lot.between(1, 3) * DAY
        duties[gap] = duties[gap]._replace(starts_local=moment(late))
        duties[both] = duties[both]._replace(ends_local=moment(seconds(duties[both].ends_local) + DAY + 9 * HOUR))
        truth = {"gap": (moment(late - DAY * ((late - first - 17 * HOUR) // DAY % 7)), moment(late)),
                 "overlap": (duties[both], duties[both + 1])}
        return duties, truth

    @property
    def duties(self):
        """The on-call list of 46 weeks, eleven of them to come: a list of Duty. On working days the desk is there from 08:00 to 17:00."""
        return self._planned[0]

    @cached_property
    def worked(self):
        """Hours worked by the associates since DESK_FROM: a list of Worked, by start.

        A call-out is a ticket of priority 1 or 2 outside service hours.
        """
        lot, found = Lot(Draws(self.h.seed, "desk worked")), []
        spans = [(seconds(one.starts_local), seconds(one.ends_local), one.user_id) for one in self.duties]
        tail, busy = {}, {}
        for ticket in self.tickets:
            at = seconds(ticket.answered_local)
            if ticket.priority > 2 or service_minutes(at, at + 60) or "-" in ticket.ticket_id:
                continue
            who = next((user_id for a, b, user_id in spans if a <= at < b), None)
            at = max(at, busy.get(who, 0))
            if who and at < NOW_LOCAL - 2 * HOUR:
                busy[who] = at + ticket.worked_minutes * 60
                found.append(Worked(who, "call-out", moment(at), moment(busy[who]), ticket.ticket_id))
                tail.setdefault(who, []).append((at, busy[who]))
        away = [(one.user_id, one.first, one.last) for one in self.leave]
        for day in range(DESK_DAYS):
            date = datetime.date.fromisoformat(DESK_FROM) + datetime.timedelta(day)
            begin = seconds(str(date)) + OFFICE[0]
            for user_id in self._admins:
                if not is_working(date) or any(who == user_id and first <= str(date) <= last for who, first, last in away):
                    continue
                start = begin
                nights = [end for at, end in tail.get(user_id, ()) if begin - REST_HOURS * HOUR < end <= begin + 4 * HOUR and at < begin]
                if nights and lot.happens(600):                          # came later, as the rule wants
                    start = max(begin, max(nights) + REST_HOURS * HOUR)
                elif nights:
                    start = max(begin, max(nights))
                if start < begin + 8 * HOUR:
                    found.append(Worked(user_id, "day", moment(start), moment(begin + 9 * HOUR), None))
        return sorted(found, key=lambda one: (one.starts_local, one.user_id))

    @cached_property
    def skills(self):
        """The skills matrix: a list of Skill."""
        lot = Lot(Draws(self.h.seed, "desk skills"))
        gap = lot.pick(SKILLS[2:5])
        return [Skill(user_id, skill, lot.between(0, 2) if skill == gap else lot.between(1, 4), 3) for user_id in self._admins
                for skill in SKILLS]

    @property
    def roadmap(self):
        """What the three-year plan could hold: a list of Plan."""
        return [Plan(*one) for one in ROADMAP]

    @cached_property
    def late(self):
        """Tickets that missed their service level, by the recorded priority: {ticket_id: tuple of 'answer', 'resolution'}.

        Open ones count from now. Priorities 1 and 2 count in true hours, so that the nights of the clock change are right.
        """
        found = {}
        for one in self.tickets:
            opened, answered = seconds(one.opened_local), seconds(one.answered_local)
            resolved = seconds(one.resolved_local) if one.resolved_local else NOW_LOCAL
            level = self.levels[one.priority - 1]
            if level.clock == "always":
                start = utc_of(opened)
                took = [(utc_of(answered) - start) // 60, (utc_of(resolved) - start) // 60 - one.pending_minutes]
            else:
                took = [service_minutes(opened, answered), service_minutes(opened, resolved - one.pending_minutes * 60)]
            missed = tuple(name for name, minutes, limit in zip(("answer", "resolution"), took,
                                                                (level.answer_minutes, level.resolve_minutes))
                           if minutes > limit)
            if missed and resolved >= opened:
                found[one.ticket_id] = missed
        return found

    @cached_property
    def truth(self):
        """What is planted.

        priority : {ticket_id: the priority that impact and urgency ask for}; twice : {second entry: first}; impossible : resolved
        before they were opened; story : {ticket_id: incident id}
        rest : (user_id, start) of work days that began less than eleven hours after a call-out's end
        gap : (from, until) without anybody on call; overlap : two duties; two_weeks : user_ids on call in weeks that follow each other
        on_leave : (user_id, start of the duty) of duties in somebody's leave; skill_gap : skills that nobody has at the needed level
        """
        ends, rest = {}, []
        for one in self.worked:
            begin = seconds(one.starts_local)
            if one.kind == "day" and begin - ends.get(one.user_id, 0) < REST_HOURS * HOUR:
                rest.append((one.user_id, one.starts_local))
            ends[one.user_id] = max(ends.get(one.user_id, 0), seconds(one.ends_local))
        duties, planned = self._planned
        best = {skill: max(one.level for one in self.skills if one.skill == skill) for skill in SKILLS}
        return {**self._made[1], "rest": rest, **planned,
                "two_weeks": [other.user_id for one, other in zip(duties, duties[1:]) if one.user_id == other.user_id],
                "on_leave": [(duty.user_id, duty.starts_local) for duty in duties for one in self.leave
                             if one.user_id == duty.user_id and one.first <= duty.ends_local[:10] and duty.starts_local[:10] <= one.last],
                "skill_gap": [skill for skill in SKILLS if best[skill] < 3]}


def after_service(start, minutes):
    """The moment (seconds, wall clock) at which `minutes` of service hours have gone by since `start`."""
    day = start // DAY
    left = minutes * 60
    while True:
        begin = max(start, day * DAY + OFFICE[0])
        end = day * DAY + OFFICE[1]
        if has_service(day) and begin < end:
            if left <= end - begin:
                return begin + left
            left -= end - begin
        day += 1


# ---- security (lab B11)

class Device(NamedTuple):
    """A device on the network. patched: date of its last update; patching: who decides (hospital, vendor, nobody).

    support_ends : the day on which its operating system's maker ends security updates (without paid
    extensions), None where the maker publishes no date
    seen : date on which it last answered a scan of the network, None: never; open_ports : of that scan
    """

    device: str
    kind: str
    ip: str
    mac: str
    zone: str
    owner: str
    operating_system: str
    support_ends: str | None
    patched: str
    patching: str
    antivirus: bool
    seen: str | None
    open_ports: tuple


class Entry(NamedTuple):
    """A line of the risk register: likelihood and impact 1 to 5, `score` as the owner wrote it, after measures `residual`."""

    risk_id: str
    asset: str
    threat: str
    weakness: str
    likelihood: int
    impact: int
    score: int
    measure: str
    residual: int
    owner: str | None
    status: str
    review_due: str


class RemoteSession(NamedTuple):
    """A session of a vendor on a system of the hospital, by the log of the jump host; wall clock; ended None: still open."""

    session_id: str
    vendor: str
    account: str
    engineer: str
    target: str
    started_local: str
    ended_local: str | None
    source_ip: str
    two_factors: bool
    reference: str | None


class Rule(NamedTuple):
    """A rule of the firewall: action allow or deny; zones of ZONES or 'any'; port, 0: any; the return of a connection is free."""

    number: int
    action: str
    source: str
    target: str
    port: int
    comment: str


class Contract(NamedTuple):
    """A vendor who may log in: for which systems, from when to when."""

    vendor: str
    systems: tuple
    first: str
    last: str


ZONES = (("10.20.10.", "imaging servers"), ("10.20.20.", "clinical servers"), ("10.20.30.", "modalities"), ("10.20.40.", "reading"),
         ("10.20.50.", "infrastructure"), ("10.20.60.", "offices"), ("10.20.0.", "infrastructure"), ("10.20.90.", "guests"))
# Last day of security updates by the makers' published life cycles, without paid extensions; for Debian, of its long-term support.
SYSTEMS_ENDS = {
    "Windows XP": "2014-04-08", "Windows 7": "2020-01-14", "Windows 10 22H2": "2025-10-14", "Windows 10 IoT LTSC 2019": "2029-01-09",
    "Windows 10 IoT LTSC 2021": "2032-01-13", "Windows Server 2008 R2": "2020-01-14", "Windows Server 2012 R2": "2023-10-10",
    "Windows Server 2016": "2027-01-12", "Windows Server 2019": "2029-01-09", "Windows Server 2022": "2031-10-14", "CentOS 7": "2024-06-30",
    "Debian 12": "2028-06-30"}
# As nmap names them; most names are the Internet Assigned Numbers Authority's.
SERVICE_NAMES = {"23": "telnet", "53": "domain", "104": "acr-nema", "443": "https", "445": "microsoft-ds", "636": "ldapssl",
                 "1433": "ms-sql-s",
                 "2575": "hl7", "3389": "ms-wbt-server", "6514": "syslog-tls", "9100": "jetdirect", "11112": "dicom", "11113": "unknown",
                 "11115": "unknown"}
RULE_LINES = (
    ("allow", "modalities", "imaging servers", 11112, "storage, commitment"),
    ("allow", "modalities", "imaging servers", 11113, "worklist, MPPS"),
    ("allow", "imaging servers", "modalities", 104, "results of storage commitment"),
    ("allow", "reading", "imaging servers", 11112, "query, retrieve"),
    ("allow", "imaging servers", "reading", 104, "C-STORE of a C-MOVE"), ("allow", "clinical servers", "imaging servers", 2575, "HL7"),
    ("allow", "clinical servers", "imaging servers", 443, "web"), ("allow", "any", "infrastructure", 123, "NTP"),
    ("allow", "any", "infrastructure", 53, "DNS"), ("allow", "any", "imaging servers", 11112, "test 2023-06, to be removed"),
    ("deny", "guests", "any", 0, "guests go to the Internet only"), ("allow", "imaging servers", "infrastructure", 6514, "audit"),
    ("allow", "clinical servers", "infrastructure", 636, "directory"), ("allow", "imaging servers", "infrastructure", 636, "directory"),
    ("allow", "offices", "clinical servers", 443, "EMR"), ("allow", "offices", "imaging servers", 443, "viewer"),
    ("allow", "reading", "imaging servers", 11112, "query, retrieve (double)"),
    ("allow", "infrastructure", "imaging servers", 3389, "jump host"),
    ("deny", "any", "any", 0, "the rest"))
RUNS = {"modality": ("Windows XP", "Windows 7", "Windows 7", "Windows 10 IoT LTSC 2019", "Windows 10 IoT LTSC 2019",
                     "Windows 10 IoT LTSC 2021"),
        "server": ("Windows Server 2012 R2", "Windows Server 2016", "Windows Server 2019", "Windows Server 2022", "CentOS 7"),
        "workstation": ("Windows 10 22H2", "Windows 10 22H2", "Windows 10 IoT LTSC 2021"),
        "infrastructure": ("Windows Server 2019", "Windows Server 2022"),
        "office computer": ("Windows 10 22H2", "Windows 10 22H2", "Windows 10 22H2", "Windows 7")}
REGISTER = (
    ("HV_PACS", "ransomware", "one flat network of servers", "segments and offline copy"),
    ("HV_PACS", "unknown caller stores images", "accepts unknown AE titles for C-STORE", "list of callers"),
    ("HV_MWL", "worklist read by strangers", "no encryption", "DICOM over TLS"),
    ("HV_VNA", "loss of two disks", "rebuild with a suspect disk", "replace the suspect disk"),
    ("HV_VNA", "query from the guest network", "firewall rule too wide", "default deny"),
    ("CTER01", "entries nobody answers for", "shared login ctuser", "badge login"),
    ("CTER01", "malicious software", "operating system out of support", "own segment, allow list"),
    ("US_OB1", "images lost", "address also given to a printer", "addresses reserved"),
    ("XC_WOUND", "photographs leak", "card not encrypted", "encrypted device"),
    ("WS_ED1", "screen read by visitors", "no lock", "lock after three minutes"),
    ("EMR", "snooping by colleagues", "no review of accesses", "monthly audit"),
    ("VOX", "wrong report signed", "context of viewer and VOX differ", "one context"),
    ("HV_ENGINE", "merge lost", "engine drops part of MRG", "alert on AE"),
    ("ARR", "trail incomplete", "messages over UDP", "syslog over TLS"),
    ("BACKUP", "copy encrypted with the original", "backup in the same domain", "unchangeable copy"),
    ("JUMP", "stolen account of a vendor", "no second factor", "two factors"),
    ("DENTAL", "data lost", "no backup tested", "restore test"),
    ("TEACHING", "patients recognised", "names burnt into pixels", "check before export"),
    ("PORTAL", "link guessed", "links without end", "links end after 30 days"),
    ("ECC_PACS", "patient mixed up", "numbers without issuer", "issuer with each number"),
    ("HV_ROUTER", "disk full", "no alarm", "alarm at 80 %"), ("RIS", "departed staff log in", "account not disabled",
                                                              "weekly match with personnel"),
    ("MG1", "screening stops", "no spare console", "contract with loan"), ("NTP", "clocks differ", "scanners not on NTP", "NTP for all"),
    ("CA", "certificate ends", "no list of dates", "warning 60 days before"),
    ("TELERAD", "images abroad", "no contract on processing", "contract"),
    ("PETCT1", "support bundle holds names", "vendor's tool takes all", "redact before sending"),
    ("Medical CDs", "malicious file", "preamble of a DICOM file executed", "scan and clear the preamble"))
CONTRACTS = (("Helio", ("DX_CH1",), "2022-01-01", "2026-12-31"), ("Orbis", ("CR_ER1",), "2020-07-01", "2025-06-30"),
             ("Marlin", ("MG1",), "2021-03-01", "2026-02-28"),
             ("Castellan CT", ("CTER01", "CT2"), "2021-01-01", "2025-12-31"),
             ("Brinkmere", ("HV_PACS", "HV_MWL", "HV_ROUTER"), "2019-01-01", "2026-12-31"),
             ("Lanternfish", ("HV_VNA",), "2020-01-01", "2026-12-31"),
             ("Tern Ultrasound", ("US_OB1", "US_ECHO1"), "2018-01-01", "2024-12-31"))


class Security:
    """Risk register, devices, contracts and vendors' remote sessions. `zones`: first octets of the addresses and their zone."""

    zones = ZONES
    contracts = [Contract(*one) for one in CONTRACTS]

    def __init__(self, h, changes, desk):
        self.h, self._changes, self._desk = h, changes, desk

    @cached_property
    def _made(self):
        lot, found, truth = Lot(Draws(self.h.seed, "security devices")), [], {"wrong_zone": [], "ghosts": []}
        listens = {}
        for one in self._changes.interfaces:
            if one.port:
                listens.setdefault(one.target, []).append(str(one.port))

        def device(name, kind, ip, owner):
            runs = lot.pick(RUNS.get(kind, ("maker's firmware",)))
            if name in ("HV_PACS", "HV_MWL"):                           # both on hv-app1, see ``servers``
                runs = "Debian 12"
            elif name.startswith("SW_") or name in ("FW_CORE", "WLAN", "SAN"):
                runs = "maker's firmware"
            patching = {"modality": "vendor", "printer": "nobody"}.get(kind, "hospital")
            stale = lot.between(200, 1500) if patching != "hospital" else lot.between(3, 45) if lot.happens(900) else lot.between(100, 400)
            ends = SYSTEMS_ENDS.get(runs)
            patched = min(str(world.NOW.date() - datetime.timedelta(stale)), ends or "9999")
            zone = next(zone for start, zone in ZONES if ip.startswith(start))
            octets = [int(one) for one in ip.split(".")[1:]]
            more = tuple(one for one in ("23", "445", "3389") if lot.happens(90 if kind != "modality" else 220))
            return Device(name, kind, ip, "02:48:56:" + ":".join(f"{one:02x}" for one in octets), zone, owner, runs, ends, patched,
                          patching,
                          kind not in ("modality", "printer", "infrastructure"),
                          str(world.NOW.date() - datetime.timedelta(lot.between(1, 6))),
                          tuple(sorted({*listens.get(name, ("9100",) if kind == "printer" else ()), *more}, key=int)))
        for one in self._changes.systems:
            if one.kind != "outside":
                found.append(device(one.system, one.kind, one.host, one.owner))
        for place, user in enumerate(one for one in self.h.staff.users if one.kind == "person" and not one.left
                                     and one.unit != "Eastcliff Clinic"):
            if user.role == "radiologist":
                found.append(device(f"PC-{1000 + place}", "workstation", self.h.staff.host(user), user.unit))
        offices = []
        for user in self.h.staff.users:
            if user.kind == "person" and not user.left and user.role != "radiologist" and user.unit != "Eastcliff Clinic":
                host = self.h.staff.host(user)
                if host not in offices:
                    offices.append(host)
        found += [device(f"PC-{2000 + place}", "office computer", host, "Hospital IT") for place, host in enumerate(offices)]
        found += [device(f"PRN-{number:02d}", "printer", f"10.20.60.{200 + number}", "Hospital IT") for number in range(1, 31)]
        clash = device("PRN-OB2", "printer", "10.20.30.65", "Obstetrics")._replace(mac="02:48:56:aa:00:65")
        found.append(clash)
        spare = device("CR_OLD1", "modality", "10.20.30.90", "Radiology")
        found.append(spare._replace(operating_system="Windows XP", support_ends=SYSTEMS_ENDS["Windows XP"], patched="2012-06-14"))
        truth["ghosts"].append("CR_OLD1")
        for name, ip in (("US_ED_POCUS", "10.20.60.190"), ("CT_DEMO", "10.20.90.17")):
            found.append(device(name, "modality", ip, "Emergency" if "ED" in name else "Radiology"))
            truth["wrong_zone"].append(name)
        dead = some(lot, [place for place, one in enumerate(found) if one.kind == "office computer"], 4)
        for place in dead:
            found[place] = found[place]._replace(seen=None)
        truth["never_seen"] = [found[place].device for place in dead]
        return found, truth

    @property
    def devices(self):
        """The inventory of devices with the scan's findings: a list of Device. CR_OLD1 was taken out of use in 2022."""
        return self._made[0]

    def scan(self):
        """The last scan of the network in the form of nmap's XML output: str. What never answered is not in it."""
        lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<nmaprun scanner="nmap" args="nmap -sT -oX - 10.20.0.0/16">']
        for one in self.devices:
            if one.seen is None:
                continue
            lines += ['  <host><status state="up" reason="syn-ack"/>', f'    <address addr="{one.ip}" addrtype="ipv4"/>',
                      f'    <address addr="{one.mac.upper()}" addrtype="mac"/>', "    <ports>"]
            lines += [f'      <port protocol="tcp" portid="{port}"><state state="open" reason="syn-ack"/>'
                      f'<service name="{SERVICE_NAMES[port]}"/></port>' for port in one.open_ports if port != "123"]     # NTP is UDP
            lines += ["    </ports>", "  </host>"]
        return "\n".join([*lines, "</nmaprun>"]) + "\n"

    @property
    def rules(self):
        """The rules of the firewall between the zones, the first that fits decides: a list of Rule."""
        return [Rule(number, *one) for number, one in enumerate(RULE_LINES, 1)]

    @cached_property
    def register(self):
        """The risk register: a list of Entry."""
        lot, found = Lot(Draws(self.h.seed, "security register")), []
        owners = [user.user_id for user in self.h.staff.group("Imaging IT", "PACS administrator")] + ["security officer", "privacy officer"]
        odd = some(lot, range(len(REGISTER)), 8)
        for number, (asset, threat, weakness, measure) in enumerate(REGISTER):
            likelihood, impact = lot.between(1, 5), lot.between(2, 5)
            score = likelihood * impact
            due = world.NOW.date() + datetime.timedelta(lot.between(10, 300))
            status, owner = lot.pick(("open", "in treatment", "accepted", "treated")), lot.pick(owners)
            if number in odd[:3]:
                score = likelihood + impact                              # added, not multiplied
                if score == likelihood * impact:
                    likelihood, impact, score = 5, 3, 8
            elif number in odd[3:5]:
                owner, status = None, "accepted"
            elif number in odd[5:]:
                due, status = world.NOW.date() - datetime.timedelta(lot.between(20, 200)), "open"
            residual = max(1, likelihood * impact * lot.between(20, 60) // 100)
            found.append(Entry(f"S{number + 1:02d}", asset, threat, weakness, likelihood, impact, score, measure, residual, owner, status,
                               str(due)))
        return found

    @cached_property
    def _sessions(self):
        lot, rows = Lot(Draws(self.h.seed, "security sessions")), []
        truth = {"no_reference": [], "outside_window": [], "after_contract": [], "never_ended": [], "shared_account": []}
        crew = {one.vendor: [invented_name(lot) for _ in range(3)] for one in self.contracts}
        address = {one.vendor: f"203.0.113.{10 * (place + 1)}" for place, one in enumerate(self.contracts)}

        opened = {}
        for ticket in self._desk.tickets:
            opened.setdefault(ticket.opened_local[:10], []).append(ticket.ticket_id)

        def session(vendor, target, start, length, reference, **more):
            engineer = lot.pick(crew[vendor])
            if reference == "ticket":
                reference = lot.pick(opened[moment(start)[:10]])
            row = dict(vendor=vendor, account=f"v_{vendor.split(' ')[0].lower()}", engineer=engineer, target=target, start=start,
                       end=start + length,
                       source_ip=address[vendor], two_factors=vendor not in ("Orbis", "Tern Ultrasound"), reference=reference, fault=None)
            row.update(more)
            rows.append(row)
            return row
        for change in self._changes.requests:
            if change.began_local is None or change.began_local < DESK_FROM or change.change_id == self._changes.truth["case_17"]["cause"]:
                continue
            for one in self.contracts:
                if set(one.systems) & set(change.systems) and one.first <= change.began_local[:10] <= one.last:
                    start = seconds(change.starts_local) + lot.below(600)
                    session(one.vendor, change.systems[0], start, max(600, seconds(change.ends_local) - start - lot.between(60, 1500)),
                            change.change_id)
        for day in range(seconds(DESK_FROM) // DAY, NOW_LOCAL // DAY):
            for one in self.contracts:
                if lot.happens(95) and one.first <= moment(day * DAY)[:10] <= one.last:
                    # From the first half of the hour, so that one account is in only one place.
                    session(one.vendor, lot.pick(one.systems), day * DAY + lot.between(9, 15) * HOUR + lot.below(600),
                            lot.between(300, 1700),
                            "ticket")
        case = self._changes.truth["case_17"]["cause"]
        cause = next(one for one in self._changes.requests if one.change_id == case)
        session("Castellan CT", "CTER01", seconds(cause.began_local) + 120, 2 * HOUR, case)
        days = iter(some(lot, range(seconds("2024-08-20") // DAY, NOW_LOCAL // DAY - 20), 16))
        for fault, count in (("no_reference", 5), ("outside_window", 4), ("never_ended", 2), ("shared_account", 3)):
            for _ in range(count):
                one = lot.pick(self.contracts[3:6])
                start = next(days) * DAY + (lot.between(1, 3) if fault != "shared_account" else 3) * HOUR + 1800
                if fault == "no_reference":
                    session(one.vendor, lot.pick(one.systems), start, lot.between(900, 5400), None, fault=fault)
                elif fault == "outside_window":
                    old = lot.pick([change for change in self._changes.requests if change.began_local
                                    and change.ended_local < moment(start)])
                    session(one.vendor, lot.pick(one.systems), start, lot.between(900, 5400), old.change_id, fault=fault)
                elif fault == "never_ended":
                    session(one.vendor, lot.pick(one.systems), start, 0, "ticket", end=None, fault=fault)
                else:
                    session(one.vendor, one.systems[0], start, 3 * HOUR, "ticket")
                    session(one.vendor, one.systems[-1], start + 1800, HOUR, "ticket", source_ip=f"198.51.100.{lot.between(2, 250)}",
                            fault=fault)
        for _ in range(3):
            start = seconds("2025-01-10") + lot.below(70) * DAY + 10 * HOUR
            session("Tern Ultrasound", "US_OB1", start, lot.between(900, 5400), "ticket", fault="after_contract")
        rows.sort(key=lambda row: (row["start"], row["vendor"], row["target"], row["source_ip"]))
        found = []
        for number, row in enumerate(rows, 1):
            fault = row.pop("fault")
            start, end = row.pop("start"), row.pop("end")
            one = RemoteSession(f"RS{number:04d}", row["vendor"], row["account"], row["engineer"], row["target"], moment(start),
                                moment(end) if end is not None else None, row["source_ip"], row["two_factors"], row["reference"])
            found.append(one)
            if fault:
                truth[fault].append(one.session_id)
        return found, truth

    @property
    def sessions(self):
        """The vendors' sessions since DESK_FROM: a list of RemoteSession, by start."""
        return self._sessions[0]

    @cached_property
    def truth(self):
        """What is planted.

        wrong_zone, ghosts, never_seen : devices; address_twice : the two devices with one address
        unsupported : devices whose operating system gets no more updates today
        wrong_scores, no_owner, overdue : risk_ids
        no_reference, outside_window, after_contract, never_ended, shared_account : session_ids
        too_wide, never_used : numbers of rules: it lets guests at the archive; another before it decides the same
        """
        today = str(world.NOW.date())
        return {**self._made[1], "address_twice": ("US_OB1", "PRN-OB2"),
                "unsupported": [one.device for one in self.devices if (one.support_ends or today) < today],
                "wrong_scores": [one.risk_id for one in self.register if one.score != one.likelihood * one.impact],
                "no_owner": [one.risk_id for one in self.register if one.owner is None],
                "overdue": [one.risk_id for one in self.register if one.review_due < today and one.status not in ("treated", "accepted")],
                "too_wide": 10, "never_used": 17, **self._sessions[1]}
