"""Who was examined, when, on what, and when the archive heard of it: the plan of all studies.

An exam is a position in parallel arrays: `person`, `procedure` (place in the catalogue), `device` (place in
world.DEVICES, -1: a device of Eastcliff), `patient_class` (0 O, 1 E, 2 I), `local` (true wall clock at the start),
`utc`, `created` (arrival in the archive), `force` (which modalities its series must have) and `tag` (why it exists).
"""

import numpy as np

from coursekit.hospital import clock, story, world
from coursekit.hospital.catalogue import PLACE, PROCEDURES
from coursekit.hospital.clock import DAY, HOUR, NOW_LOCAL, NOW_UTC, seconds
from coursekit.hospital.draws import Draws

FIRST_DAY = seconds("2021-01-01")
DAYS = (NOW_LOCAL - FIRST_DAY) // DAY + 1
OUTPATIENT, EMERGENCY, INPATIENT = 0, 1, 2
CLASSES = "OEI"

DEVICE = {device[0]: place for place, device in enumerate(world.DEVICES)}
ELSEWHERE = -1

# How often an exam starts in each hour of the day.
HOURS = (
    (0, 0, 0, 0, 0, 0, 0, 12, 80, 100, 100, 95, 60, 75, 95, 90, 70, 35, 12, 8, 4, 0, 0, 0),
    (22, 18, 15, 13, 12, 13, 18, 28, 42, 55, 62, 64, 62, 62, 64, 66, 66, 68, 68, 64, 58, 48, 38, 28),
    (6, 5, 5, 6, 14, 40, 60, 60, 80, 90, 85, 75, 60, 65, 75, 70, 55, 40, 28, 20, 16, 12, 10, 8),
)
# Monday to Sunday.
WEEKDAYS = ((100, 102, 98, 100, 88, 7, 1), (112, 98, 96, 96, 100, 108, 110), (100, 102, 100, 100, 96, 48, 42))
# January to December: outpatients stay away in the holidays, emergencies come with ice and influenza.
MONTHS = ((100, 102, 106, 100, 98, 102, 82, 80, 104, 106, 106, 88),
          (112, 108, 102, 98, 98, 98, 96, 94, 96, 98, 102, 112),
          (108, 106, 102, 100, 98, 98, 94, 92, 98, 100, 102, 104))
CLOSED = ((1, 1), (4, 27), (12, 25), (12, 26))

# From the end of the exam to its arrival, seconds: usually minutes; hours (device offline); days (mobile rounds).
ARRIVAL = ((960, 40, 1500), (28, 2 * HOUR, 20 * HOUR), (12, DAY, 3 * DAY + 12 * HOUR))
# The network was down (UTC): what was sent then arrived in the two hours after.
OUTAGES = tuple((seconds(a), seconds(b)) for a, b in (("2023-11-14 09:00:00", "2023-11-14 18:30:00"),
                                                     ("2025-03-11 12:40:00", "2025-03-11 20:10:00")))
# In these hours UTC and the wall clock are in different months; only planted CTs arrive then.
EDGE_FEBRUARY = (seconds("2025-02-28 23:00:00"), seconds("2025-03-01 00:00:00"))
EDGE_MARCH = (seconds("2025-03-31 22:00:00"), seconds("2025-04-01 00:00:00"))

# What the technologist at DX_CH1 can mix up: body parts that nobody confuses on the image.
CHOOSABLE = ("XHAND", "XKNEE", "XFOOT", "XPELV", "XLSP")
CT_CODES = ("CTHD", "CTCH", "CTAP", "CTPA", "CTCAP", "CTCSP")
# `force`: 1 CT series alone, 2 a dose report and in reverse order, 3 a dose report and a screen shot, 4 in order.
FREE, PLAIN, REVERSED, FULL, IN_ORDER = range(5)

TAGS = ("usual", "story", "case 17", "eastcliff import", "february evening", "february edge", "march last day",
        "march edge", "march evening", "march mixture", "deleted", "without images", "lockout", "recent",
        "weekend evening", "month end", "split", "wrong order", "wrong patient", "two orders", "month ended between its series",
        "eastcliff transfer", "number of a transfer", "number given twice")
TAG = {name: place for place, name in enumerate(TAGS)}
# Of millions of exams, each column takes no more room than its values need.
TYPES = {"person": np.int32, "procedure": np.int16, "device": np.int16, "patient_class": np.int8, "utc": np.int64,
         "created": np.int64, "force": np.int8, "tag": np.int8}


def day_weights():
    """For each patient class, how likely each day since FIRST_DAY is: an int64 array (3, DAYS)."""
    days = FIRST_DAY // DAY + np.arange(DAYS)
    dates = days.astype("datetime64[D]")
    month = (dates.astype("datetime64[M]").astype(np.int64)) % 12
    day_of_month = (dates - dates.astype("datetime64[M]")).astype(np.int64) + 1
    weekday = (days + 3) % 7
    closed = np.zeros(DAYS, dtype=bool)
    for closed_month, closed_day in CLOSED:
        closed |= (month == closed_month - 1) & (day_of_month == closed_day)
    growth = 10000 + 8 * np.arange(DAYS) // 7                     # about 4 % a year
    weights = np.empty((3, DAYS), dtype=np.int64)
    for which in range(3):
        weights[which] = (growth * np.array(WEEKDAYS[which])[weekday] // 100
                          * np.array(MONTHS[which])[month] // 100)
    weights[OUTPATIENT, closed] = 0
    return weights


def pick_people(draws, procedures, pools):
    """A person for each of `procedures`: of the right sex and age, some persons far more often than others."""
    person = np.empty(len(procedures), dtype=np.int64)
    who = np.array([list(pools).index(procedure.who) for procedure in PROCEDURES])[procedures]
    for place, pool in enumerate(pools.values()):
        here = np.flatnonzero(who == place)
        first, second = draws.below(len(pool), len(here)), draws.below(len(pool), len(here))
        person[here] = pool[np.minimum(first, second)]
    return person


def pick_procedures(draws, patient_class):
    """A procedure for each exam, by its patient class."""
    chosen = np.empty(len(patient_class), dtype=np.int64)
    for which in range(3):
        here = np.flatnonzero(patient_class == which)
        chosen[here] = draws.choose([procedure.weights[which] for procedure in PROCEDURES], len(here))
    return chosen


def pick_times(draws, patient_class, weights):
    """A wall-clock start for each exam, by its patient class."""
    local = np.empty(len(patient_class), dtype=np.int64)
    for which in range(3):
        here = np.flatnonzero(patient_class == which)
        local[here] = (FIRST_DAY + DAY * draws.choose(weights[which], len(here))
                       + HOUR * draws.choose(HOURS[which], len(here)) + draws.below(HOUR, len(here)))
    return local


def pick_devices(draws, procedures):
    """A device for each exam, from those that its procedure is done on."""
    device = np.empty(len(procedures), dtype=np.int64)
    for place, procedure in enumerate(PROCEDURES):
        here = np.flatnonzero(procedures == place)
        titles, weights = zip(*procedure.devices)
        device[here] = np.array([DEVICE[title] for title in titles])[draws.choose(weights, len(here))]
    return device


def minutes_taken(draws, procedures):
    """How long each exam takes, in seconds."""
    low, high = np.array([procedure.minutes for procedure in PROCEDURES]).T
    return 60 * draws.between(low[procedures], high[procedures], len(procedures)) + draws.below(60, len(procedures))


def usual(seed, count, pools):
    """`count` exams of everyday work, with priors, follow-ups and stays of several exams."""
    draws = Draws(seed, "usual exams")
    weights = day_weights()
    patient_class = draws.choose((52, 24, 24), count)
    procedure = pick_procedures(draws, patient_class)
    local = pick_times(draws, patient_class, weights)
    person = pick_people(draws, procedure, pools)

    # Follow-ups: the same exam of the same person, some weeks later, on the same day of the week.
    out = np.flatnonzero(patient_class == OUTPATIENT)
    again = draws.happens(220, len(out))
    followed, later = out[~again], out[again]
    before = followed[draws.below(len(followed), len(later))]
    weeks = np.array([4, 6, 12, 26, 52])[draws.choose((20, 25, 25, 15, 15), len(later))]
    when = local[before] // DAY * DAY + local[later] % DAY + 7 * DAY * weeks
    fits = when < NOW_LOCAL - DAY
    later, before, when = later[fits], before[fits], when[fits]
    person[later], procedure[later], local[later] = person[before], procedure[before], when

    # Stays: inpatients have several exams within days.
    inside = np.flatnonzero(patient_class == INPATIENT)
    stays = len(inside) // 2 + 1
    anyone = np.array([procedure.who == "any" for procedure in PROCEDURES])[procedure[inside]]
    inside = inside[anyone]
    stay = draws.below(stays, len(inside))
    guest = pick_people(draws, np.full(stays, PLACE["XCHAP"]), pools)
    arrived = draws.choose(weights[INPATIENT], stays)
    day = arrived[stay] + draws.spread(((50, 0, 0), (30, 1, 2), (20, 3, 9)), len(inside))
    person[inside] = guest[stay]
    local[inside] = FIRST_DAY + DAY * np.minimum(day, DAYS - 2) + local[inside] % DAY

    device = pick_devices(draws, procedure)
    taken = minutes_taken(draws, procedure) + draws.spread(ARRIVAL, count)
    not_yet = clock.to_utc(local) + taken > NOW_UTC - 300
    local[not_yet] -= 7 * DAY
    utc = clock.to_utc(local)
    created = utc + taken
    for begins, ends in OUTAGES:
        caught = (begins <= created) & (created < ends)
        created[caught] = ends + draws.below(2 * HOUR, int(caught.sum()))
    for begins, ends in (EDGE_FEBRUARY, EDGE_MARCH):
        created[(begins <= created) & (created < ends)] += ends - begins
    return {"person": person, "procedure": procedure, "device": device, "patient_class": patient_class,
            "utc": utc, "created": created, "force": np.zeros(count, np.int64),
            "tag": np.full(count, TAG["usual"])}


class Planned:
    """A list of planted exams that grows one at a time and becomes arrays."""

    def __init__(self, draws, pools):
        self.draws, self.pools, self.rows = draws, pools, []

    def add(self, tag, code, local, created=None, patient_class=OUTPATIENT, person=None, force=FREE, device=None):
        """Plant an exam and return its person: `local` its wall-clock start, `created` (UTC) its arrival, else minutes after."""
        procedure = PROCEDURES[PLACE[code]]
        taken = 0
        if person is None:
            pool = self.pools[procedure.who]
            person = int(pool[self.draws.one(0, len(pool) - 1)])
        if created is None:
            taken = 60 * self.draws.one(procedure.minutes[0], procedure.minutes[1]) + self.draws.one(40, 400)
        if device is None:
            device = DEVICE[procedure.devices[0][0]]
        self.rows.append((person, PLACE[code], device, patient_class, local, created or 0, taken, force, TAG[tag]))
        return person

    def one_day(self, first, last):
        """A random working day between two dates given as text: days since 1970-01-01."""
        day = self.draws.one(seconds(first) // DAY, seconds(last) // DAY)
        return day - max(0, (day + 3) % 7 - 4)

    def between(self, first, last):
        """A random second between two times given as text."""
        return self.draws.one(seconds(first), seconds(last))

    def ct(self):
        """A CT procedure code."""
        return CT_CODES[self.draws.one(0, len(CT_CODES) - 1)]

    def arrays(self):
        person, procedure, device, patient_class, local, created, taken, force, tag = np.array(self.rows, dtype=np.int64).T
        utc = clock.to_utc(local)
        return {"person": person, "procedure": procedure, "device": device, "patient_class": patient_class, "utc": utc,
                "created": np.where(taken > 0, utc + taken, created), "force": force, "tag": tag}


def planted(seed, count, pools, roles, eastcliff):
    """The exams that make the month of March 2025, the story and the imports, for an edition of `count` studies.

    `roles`: person of each role of the story; `eastcliff`: the persons of the partner clinic, P5's record first.
    """
    draws = Draws(seed, "planted exams")
    plan = Planned(draws, pools)

    for role, code, patient_class, start in story.EXAMS:
        plan.add("story", code, seconds(start), person=roles[role], patient_class=CLASSES.index(patient_class))
    plan.add("case 17", "CTHD", int(clock.to_local(np.int64(story.FIRST_IMAGE))), story.RECEIVED, EMERGENCY,
             roles["P1 typed"], IN_ORDER, DEVICE["CT_ER"])

    # Priors of Eastcliff, imported over the weekend of 15 March: exams of years ago that arrive now.
    imports = max(36, count * 6 // 1000)
    for number in range(imports):
        code = plan.ct() if number * 100 < imports * 45 else ("XCHPA", "MRBR", "USABD", "XKNEE")[draws.one(0, 3)]
        day = draws.one(seconds("2015-01-05") // DAY, seconds("2022-12-20") // DAY)
        day -= max(0, (day + 3) % 7 - 4)                       # no outpatients on a weekend
        person = int(eastcliff[0 if number == 0 else draws.one(0, len(eastcliff) - 1)])
        plan.add("eastcliff import", code, day * DAY + draws.one(8 * HOUR, 17 * HOUR),
                 plan.between("2025-03-15 06:00:00", "2025-03-16 20:00:00"), person=person, device=ELSEWHERE)

    # And somebody whom Eastcliff sent over last week, with the images of the day; an exam here has the same accession number.
    plan.add("number of a transfer", "XCHPA", plan.between("2025-04-02 09:00:00", "2025-04-02 12:00:00"))
    plan.add("eastcliff transfer", "XCHPA", plan.between("2025-04-02 09:00:00", "2025-04-02 12:00:00"),
             plan.between("2025-04-02 12:00:00", "2025-04-02 14:00:00"), person=int(eastcliff[draws.one(1, len(eastcliff) - 1)]),
             device=ELSEWHERE)

    # CTs at the edges of the month. Their numbers differ, so that each confusion changes the count by its own.
    for _ in range(3):
        plan.add("february evening", plan.ct(), plan.between("2025-02-28 18:00:00", "2025-02-28 21:30:00"),
                 plan.between("2025-03-01 00:20:00", "2025-03-01 05:30:00"), EMERGENCY)
    for _ in range(3):
        plan.add("february edge", plan.ct(), plan.between("2025-02-28 23:15:00", "2025-02-28 23:45:00"),
                 plan.between("2025-02-28 23:03:00", "2025-02-28 23:57:00"), EMERGENCY)
    for _ in range(4):
        plan.add("march last day", plan.ct(), plan.between("2025-03-31 09:00:00", "2025-03-31 17:00:00"))
    for _ in range(5):
        plan.add("march edge", plan.ct(), plan.between("2025-03-31 23:05:00", "2025-03-31 23:40:00"),
                 plan.between("2025-03-31 22:03:00", "2025-03-31 23:57:00"), EMERGENCY)
    for _ in range(3):
        plan.add("march evening", plan.ct(), plan.between("2025-03-31 19:00:00", "2025-03-31 22:00:00"),
                 plan.between("2025-04-01 03:00:00", "2025-04-01 06:00:00"), EMERGENCY)

    # The ways in which 'CT' stands in mods_in_study, and the modalities whose codes contain those letters.
    def in_march(tag, code, force=FREE, first=3, last=28):
        day = draws.one(first, last)
        while (seconds(f"2025-03-{day:02d}") // DAY + 3) % 7 > 4:
            day = draws.one(first, last)
        plan.add(tag, code, seconds(f"2025-03-{day:02d}") + draws.one(9 * HOUR, 16 * HOUR), force=force)

    for force in (PLAIN, PLAIN, REVERSED, REVERSED, FULL, FULL):
        in_march("march mixture", plan.ct(), force)
    for force in (IN_ORDER, IN_ORDER, IN_ORDER, FREE, FREE, REVERSED, REVERSED):
        in_march("march mixture", "PETCT", force)
    for first, last in ((3, 14), (3, 14), (3, 14), (18, 28), (18, 28)):
        in_march("march mixture", "IVOCT", first=first, last=last)
    for _ in range(3):
        in_march("deleted", plan.ct())
    for _ in range(4):
        in_march("without images", plan.ct())

    # Other exams of the renamed scanner in the two nights without a worklist.
    for first, last in (("2025-03-29 15:00:00", "2025-03-29 23:00:00"), ("2025-03-30 05:00:00", "2025-03-30 12:00:00"),
                        ("2025-03-30 12:00:00", "2025-03-30 22:00:00")):
        plan.add("lockout", "CTHD", plan.between(first, last), patient_class=EMERGENCY)

    # The last days, of which the archive still has instance records.
    for code in ("CTHD", "CTPA", "XCHAP", "XHAND", "XANKLE", "USABD", "MRBR"):
        plan.add("recent", code, plan.between("2025-04-04 08:00:00", "2025-04-06 18:00:00"), patient_class=EMERGENCY)

    for code in ("USABD", "XHAND"):
        plan.add("number given twice", code, plan.between("2025-04-05 09:00:00", "2025-04-06 17:00:00"), patient_class=EMERGENCY)

    plan.add("deleted", "XHAND", plan.between("2025-04-06 10:00:00", "2025-04-06 18:00:00"), patient_class=EMERGENCY)
    # Last weekend's evenings: examined on one day, arrived on the next.
    for day, next_day in (("2025-04-05", "2025-04-06"), ("2025-04-06", "2025-04-07")):
        for code in ("XCHAP", "CTHD"):
            plan.add("weekend evening", code, plan.between(f"{day} 21:00:00", f"{day} 23:30:00"),
                     plan.between(f"{next_day} 00:20:00", f"{next_day} 04:30:00"), EMERGENCY)

    # Other devices were offline at the ends of months.
    for code, day, next_day in (("MRBR", "2024-02-29", "2024-03-01"), ("MRLSP", "2024-05-31", "2024-06-03"),
                                ("MRBR", "2024-08-30", "2024-09-02"), ("MRLSP", "2025-02-28", "2025-03-03"),
                                ("USABD", "2025-02-28", "2025-03-01"), ("MGSCR", "2025-02-28", "2025-03-03")):
        plan.add("month end", code, plan.between(f"{day} 13:00:00", f"{day} 17:00:00"),
                 plan.between(f"{next_day} 05:30:00", f"{next_day} 09:00:00"))

    # MR of the year before: deleted, without images, and on the last day of the year.
    plan.add("deleted", "MRBR", plan.between("2024-04-08 09:00:00", "2024-04-12 16:00:00"))
    plan.add("without images", "MRLSP", plan.between("2024-09-09 09:00:00", "2024-09-13 16:00:00"))
    plan.add("month end", "MRBR", plan.between("2024-12-31 09:00:00", "2024-12-31 15:00:00"))
    plan.add("month end", "PETMR", plan.between("2024-10-31 09:00:00", "2024-10-31 15:00:00"))

    # At the worklist: two exams of one person by each other's orders; one person's exam by the order of the next, who
    # then has none left; two orders for one run of the scanner. Those of the last 30 days first, more at a busier hospital.
    taken = set()

    def working_day(number):
        """A time of a working day, which no other has: of March 2025, but from the third on of the 18 months before."""
        while True:
            day = plan.one_day("2025-03-12", "2025-03-28") if number < 2 else plan.one_day("2023-09-04", "2025-02-21")
            if day not in taken:
                break
        taken.add(day)
        return day * DAY + draws.one(9 * HOUR, 15 * HOUR)

    for number in range(min(max(2, count // 20_000), 60)):
        start, (first, second) = working_day(number), draws.sample(np.arange(len(CHOOSABLE)), 2).tolist()
        person = plan.add("wrong order", CHOOSABLE[first], start)
        plan.add("wrong order", CHOOSABLE[second], start + draws.one(420, 840), person=person)
        start, second = working_day(number), draws.one(1, len(CHOOSABLE) - 1)
        person = plan.add("wrong patient", CHOOSABLE[0], start)             # a hand: there is an image of one
        while plan.add("wrong patient", CHOOSABLE[second], start + draws.one(900, 1700)) == person:
            plan.rows.pop()
        plan.add("two orders", "CTCAP", working_day(number), device=DEVICE["CT2"])

    # February ended, in UTC, between two series of a CT.
    plan.add("month ended between its series", "CTCAP", plan.between("2025-02-28 23:20:00", "2025-02-28 23:50:00"),
             seconds("2025-03-01") - draws.one(5, 20), EMERGENCY, force=FULL, device=DEVICE["CT2"])

    # One order, two studies: the scanner was restarted in the middle of the exam.
    for _ in range(2):
        start = plan.between("2025-03-10 09:00:00", "2025-03-27 16:00:00")
        plan.add("split", "CTAP", start, patient_class=INPATIENT, device=DEVICE["CT2"])
        person = plan.rows[-1][0]
        plan.add("split", "CTAP", start + draws.one(900, 1800), patient_class=INPATIENT, device=DEVICE["CT2"],
                 person=person)
    return plan.arrays()


def exams(seed, count, pools, roles, eastcliff):
    """All `count` exams of an edition, in order of arrival: a dict of arrays (see the module)."""
    some = planted(seed, count, pools, roles, eastcliff)
    most = usual(seed, count - len(some["tag"]), pools)
    columns = {name: np.concatenate((most.pop(name), some[name]), dtype=TYPES[name], casting="same_kind") for name in some}
    order = clock.by_time(columns["created"])
    columns = {name: values[order] for name, values in columns.items()}
    columns["local"] = clock.to_local(columns["utc"])
    renamed = (columns["device"] == DEVICE["CT_ER"]) & (columns["utc"] >= story.RENAMED)
    columns["device"][renamed] = DEVICE["CTER01"]
    return columns
