"""Storage, performance and capacity: the exercises of lesson cpsa-06."""

import re
from datetime import date, timedelta

from coursekit.checking import Config, Fields, Function, Kind, Lesson, Number, Table, Text
from coursekit.checking.kinds.base import Difference
from coursekit.checking.kinds.text import word_of_a_table
from coursekit.checking.reading import Unclear, Unreadable, describe, plain, short, single
from coursekit.errors import CourseError
from coursekit.figures.capacity import reached
from coursekit.hospital import hospital as edition
from coursekit.hospital.draws import Draws

lesson = Lesson(
    "cpsa-06",
    title="Storage, performance and capacity",
    version=1,
    minutes=150,
    objectives=[
        "say how many TB a year come, when a store must be extended and when the order has to go out, with an interval",
        "decide which images may be deleted, and which copy heals the other, by rule and by checksum",
        "find in a log why first images are slow, size the peak hour and a restore, and write a tiering policy that holds next year",
    ],
    covers=["manage storage, and track performance and capacity"],
    needs=["cpas-06", "cpas-15"],
)

TODAY = date(2025, 4, 7)
USED, CAPACITY, LIMIT = 187.2, 240, 216      # near1 today and in all, and 90 % of it; TB
GROWTH = 1.04                                # exams a year, as the hospital plans
LEAD_DAYS = 182                              # tender, delivery, migration: 26 weeks

JOINING = {  # (department, kind) of the collections that move in: lossless compression ratio, as a pilot measured it
    ("Endoscopy", "stills and video"): 1.0, ("Pathology", "whole-slide images"): 1.0,
    ("Cardiology", "echocardiography"): 1.0, ("Ophthalmology", "fundus and OCT"): 1.9, ("Dental clinic", "cone beam CT"): 2.2,
}

VIEWERS = ("WS_CH1", "WS_ED1", "WS_MG1", "WEB")
CAUSES = {
    "A": "The viewer asks once more for each image of the study, and each time the archive queries its database.",
    "B": "A query of this viewer reads a whole table, for an index is missing.",
    "C": "The line between archive and viewer is disturbed.",
    "D": "The studies that are opened lie on the nearline tier.",
    "E": "The studies that are opened at this viewer are larger than elsewhere.",
}
HOURS = (1, 1, 1, 1, 1, 2, 4, 9, 26, 30, 30, 26, 16, 22, 25, 22, 16, 9, 6, 5, 4, 3, 2, 2)       # openings by hour of the day

# group: TB a year, openings in the log, and after how many days a study is opened, as (per mille, from, to)
GROUPS = {
    "CT": (15.8, 7800, ((690, 0, 2), (150, 3, 30), (60, 31, 80), (55, 81, 110), (25, 170, 200), (20, 201, 730), (13, 731, 1460),
                        (7, 1461, 3000))),
    "mammography": (7.2, 3900, ((560, 0, 3), (90, 4, 30), (40, 31, 300), (250, 690, 790), (40, 1050, 1150), (20, 1151, 2500))),
    "ultrasound": (6.0, 5100, ((830, 0, 2), (100, 3, 40), (40, 41, 300), (25, 301, 1200), (5, 1201, 3000))),
    "radiographs": (3.2, 10_800, ((580, 0, 2), (190, 3, 45), (110, 46, 200), (70, 201, 500), (40, 501, 1500), (10, 1501, 3500))),
    "MR": (1.8, 4500, ((640, 0, 3), (150, 4, 60), (110, 61, 250), (70, 330, 400), (22, 401, 1500), (8, 1501, 3000))),
}
EUR = {"fast": 600, "near": 150, "deep": 30}        # a TB for a year, all copies, power and support in it
KEPT_YEARS = 12
WANTED = {"hit": 95, "group": 88, "deep": 1.5}
BUDGET = 48.0                                       # thousand euros a year
LATER = 1.05                                        # in the coming year old studies are opened so much later: screening is behind


def years_after(day, years):
    """The date so many years after `day`; from 29 February 1 March, where the year has no such day."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


# ---- kinds of answer

_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december")


class Day(Kind):
    """A date, right within some days. Takes what Python, pandas and numpy call a date, and text as people write it, the day first."""

    takes = 'a date, such as "2025-12-14"'

    def __init__(self, tolerance):
        super().__init__("day")
        self.tolerance = tolerance

    def read(self, given):
        """A datetime.date."""
        value = single(plain(given))
        if type(value) is not str:
            raise Unclear(describe(given))
        text = " ".join(value.replace(",", " ").split()).casefold()
        found = re.fullmatch(r"(\d{4})[-/.]?(\d\d?)[-/.]?(\d\d?)([ t][\d:.+z]*)?", text)
        parts = (found[1], found[2], found[3]) if found else None
        if not parts and (found := re.fullmatch(r"(\d\d?)[-.](\d\d?)[-.](\d{4})", text)):
            parts = found[3], found[2], found[1]
        if not parts and (words := re.findall(r"[a-z]{3,}", text)):
            number = next((place for place, name in enumerate(_MONTHS, 1) if name.startswith(words[0])), None)
            digits = sorted(re.findall(r"\d+", text), key=len)
            if number and len(words) == 1 and len(digits) == 2 and len(digits[1]) == 4 and len(digits[0]) < 3:
                parts = digits[1], number, digits[0]
        try:
            return date(*map(int, parts))
        except (TypeError, ValueError):
            raise Unreadable('Write the date with the year first, such as "2025-12-14", or give what `reached` returns.') from None

    def difference(self, answer, other):
        """None when they are near enough."""
        if abs((answer - other).days) <= self.tolerance:
            return None
        return Difference("That is not the day that follows from the table.", "value")


class YearlyTB(Number):
    """TB that come in a year, where "94.7 TB per year" and "94.7 TB/a" are as good as "94.7 TB"."""

    def __init__(self, tolerance):
        super().__init__(unit="TB", tolerance=tolerance)

    def read(self, given):
        """As Number, without the words for a year."""
        value = single(plain(given))
        if type(value) is str:
            given = re.sub(r"(?i)\s*(?:/\s*(?:years?|yr|y|a)|(?:per|an?|each)\s+(?:year|annum)|p\.\s?a\.?|yearly)\s*\.?\s*$", "", value)
        return super().read(given)


def letter(value):
    """An option's letter, from "A", "(a)", "A: and words of one's own" or the option's whole text."""
    text = " ".join(str(value).split()).strip(" '\"`*")
    for name, option in CAUSES.items():
        if option.rstrip(".").casefold() in text.casefold():
            return name
    found = re.fullmatch(r"\(?([a-e])(?:[).:,;-].*| [-\u2013\u2014] .*)?", text, re.IGNORECASE)
    if not found:
        raise ValueError("it is one of the letters A to E")
    return found[1].upper()


def viewer(value):
    """A viewer's name as the log has it."""
    text = re.sub(r"[\s\-]+", "_", str(value).strip(" '\"`").upper())
    if f"WS_{text}" in VIEWERS:
        return f"WS_{text}"
    if text not in VIEWERS:
        raise ValueError("the log has " + ", ".join(VIEWERS))
    return text


def decision(value):
    """One of the three words that `decide` returns."""
    text = str(value).strip(" '\"`.").casefold()
    if text not in ("hold", "keep", "delete"):
        raise ValueError('return one of the three words "hold", "keep" and "delete"')
    return text


def policy_of(settings):
    """{group: (days on the fast tier, years on the near tier)} from the learner's policy. Raises ValueError with a sentence."""
    if type(settings) is not dict:
        raise ValueError("the policy is a dictionary with a group of studies before each colon")
    known = {name.casefold(): name for name in GROUPS}
    found = {}
    for name, tiers in settings.items():
        group = known.get(str(name).strip().casefold())
        if group is None or group in found:
            raise ValueError(f"the groups are {', '.join(GROUPS)}, each once; {name!r} is not")
        if type(tiers) is not dict or {str(one).casefold() for one in tiers} != {"fast_days", "near_years"}:
            raise ValueError(f'for {group} two entries are needed, "fast_days" and "near_years"')
        tiers = {str(one).casefold(): value for one, value in tiers.items()}
        for entry, most in (("fast_days", KEPT_YEARS * 366), ("near_years", KEPT_YEARS)):
            number = _amount(tiers[entry], entry)
            if number is None:
                raise ValueError(f"`{entry}` of {group} must be a number; {tiers[entry]!r} can't be read as one")
            if not 0 <= number <= most:
                raise ValueError(f"`{entry}` of {group} must lie between 0 and {most}, in {entry.split('_')[1]}; yours is {number:g}")
            tiers[entry] = number
        if tiers["near_years"] * 366 < tiers["fast_days"]:
            raise ValueError(f"{group} would go to the deep tier while it is still on the fast one: `near_years` ({tiers['near_years']:g}) "
                             f"are about {365.25 * tiers['near_years']:.0f} days, and `fast_days` ({tiers['fast_days']:g}) are more. Both "
                             "count from the exam")
        found[group] = (tiers["fast_days"], tiers["near_years"])
    missing = [group for group in GROUPS if group not in found]
    if missing:
        raise ValueError(f"the policy says nothing of {', '.join(missing)}")
    return found


def _amount(value, entry):
    """The number that is meant by 200, "200", "200 days" or "3 years", or None."""
    if type(value) is str:
        unit = "d|days?" if entry == "fast_days" else "y|a|years?"
        found = re.fullmatch(rf"\s*(\d+(?:[.,]\d+)?)\s*(?:{unit})?\s*", value, re.IGNORECASE)
        value = found and found[1].replace(",", ".")
    try:
        return None if type(value) is bool else float(value)
    except (TypeError, ValueError):
        return None


# ---- the tiers, replayed

class Year:
    """The openings of one year: how old each opened study was. `replay(policy)` says what would have come of a tiering policy.

    _groups : {group: (TB that come in a year, sorted array of ages in days)}
    """

    def __init__(self, groups):
        self._groups = groups

    def __repr__(self):
        count = sum(len(ages) for _, ages in self._groups.values())
        return f"<{count:,} openings of a year; replay(policy), hit_ratio(group, days)>"

    def replay(self, policy, more_tb=None):
        """A Report on what comes of `policy`. Raises CourseError with a sentence when it cannot be read.

        more_tb : {group: so many TB a year more than there were}, to see what a change would cost
        """
        try:
            return Report(self._with(more_tb or {}).outcome(policy_of(plain(policy))))
        except (ValueError, Unclear) as problem:
            raise CourseError(f"The archive does not take this policy: {problem}.") from None

    def _with(self, more_tb):
        """This year, with so many TB a year more of each group."""
        if type(more_tb) is not dict:
            raise CourseError('`more_tb` is a dictionary, such as {"mammography": 10.8}.')
        groups = dict(self._groups)
        for group, more in more_tb.items():
            group = _group(group)
            groups[group] = groups[group][0] + float(more), groups[group][1]
        return Year(groups)

    def hit_ratio(self, group, days):
        """Per cent of the openings of `group` for which the study was not older than `days`."""
        ages = self._groups[_group(group)][1]
        return round(100 * int((ages <= days).sum()) / len(ages), 1)

    def outcome(self, policy):
        """The numbers of a replay, policy as of policy_of: hit, groups, deep (per cent), tb (by tier), cost, costs (thousand euros).

        `spare` is what would be saved, in thousand euros, by the fewest years on the near tier that leave half of the deep limit free.
        """
        hits, count, costs, groups, deep, lying, spare = 0, 0, {}, {}, {}, [0.0, 0.0, 0.0], 0.0
        for group, (per_year, ages) in self._groups.items():
            fast_days, near_years = policy[group]
            fast = held(per_year, fast_days / 365.25)
            near = max(held(per_year, near_years) - fast, 0)
            rest = held(per_year, KEPT_YEARS) - fast - near
            lying = [lying[0] + fast, lying[1] + near, lying[2] + rest]
            costs[group] = fast * EUR["fast"] + near * EUR["near"] + rest * EUR["deep"]
            fewest = next(number for number in range(1, KEPT_YEARS + 1)
                          if number == KEPT_YEARS or 100 * (ages > number * 365.25).mean() <= WANTED["deep"] / 2)
            spare += max(near - max(held(per_year, fewest) - fast, 0), 0) * (EUR["near"] - EUR["deep"]) / 1000
            there = int((ages <= fast_days).sum())
            hits, count = hits + there, count + len(ages)
            groups[group] = round(100 * there / len(ages), 1)
            deep[group] = round(100 * int((ages > max(near_years * 365.25, fast_days)).sum()) / len(ages), 1)
        return {"hit": round(100 * hits / count, 2), "groups": groups, "deep": deep, "tb": [round(one, 1) for one in lying],
                "cost": round(sum(costs.values()) / 1000, 1), "costs": {group: round(one / 1000, 1) for group, one in costs.items()},
                "spare": round(spare, 1)}

    def cheapest(self):
        """The policy that keeps the limits of this year, and costs next to the least that can be. As policy_of gives it.

        For each group the years on the near tier are the fewest that keep the limit of the deep tier; the days on the fast tier are found
        with one price for a hit (a Lagrange multiplier), which is raised until the limit of all openings together is kept, and then made a
        little smaller where that still keeps it.
        """
        import numpy as np

        days = np.array([*range(1, 15), *range(20, 130, 5), *range(130, 500, 10), *range(500, 1600, 25), *range(1600, 3501, 100)])
        choices, count = {}, 0
        for group, (per_year, ages) in self._groups.items():
            years = next(number for number in range(1, KEPT_YEARS + 1) if 100 * (ages > number * 365.25).mean() <= WANTED["deep"])
            there = np.searchsorted(ages, days, side="right")
            fast = np.array([held(per_year, one / 365.25) for one in days])
            near = np.maximum(held(per_year, years) - fast, 0)
            cost = fast * EUR["fast"] + near * EUR["near"] + (held(per_year, KEPT_YEARS) - fast - near) * EUR["deep"]
            good = 100 * there / len(ages) >= WANTED["group"]
            choices[group] = cost[good], there[good], days[good], years
            count += len(ages)
        found = None
        for price in np.geomspace(1, 400, 120):
            place = {group: int(np.argmin(cost - price * there)) for group, (cost, there, _, _) in choices.items()}
            hits = sum(int(choices[group][1][at]) for group, at in place.items())
            spent = sum(float(choices[group][0][at]) for group, at in place.items())
            if 100 * hits >= WANTED["hit"] * count and (found is None or spent < found[0]):
                found = spent, place, hits
        _, place, hits = found
        while True:                                             # what the price has left over: one step back where most is saved by it
            steps = [(choices[group][0][at] - choices[group][0][at - 1], group) for group, at in place.items()
                     if at and 100 * (hits - int(choices[group][1][at]) + int(choices[group][1][at - 1])) >= WANTED["hit"] * count]
            if not steps:
                return {group: (int(choices[group][2][at]), choices[group][3]) for group, at in place.items()}
            group = max(steps)[1]
            hits += int(choices[group][1][place[group] - 1]) - int(choices[group][1][place[group]])
            place[group] -= 1


def _group(name):
    """A group by its name. Raises CourseError when there is none."""
    found = next((group for group in GROUPS if group.casefold() == str(name).strip().casefold()), None)
    if found is None:
        raise CourseError(f"There is no group {name!r}; the groups are {', '.join(GROUPS)}.")
    return found


def held(per_year, years):
    """TB of the studies younger than so many years, when `per_year` TB came in the past year, and 4 % less in each year before."""
    whole, part = int(min(years, KEPT_YEARS)), min(years, KEPT_YEARS) % 1
    return sum(per_year / GROWTH**number for number in range(whole)) + part * per_year / GROWTH**whole


class Report:
    """What came of a policy. `outcome` holds the numbers."""

    def __init__(self, outcome):
        self.outcome = outcome

    def __repr__(self):
        out = self.outcome
        groups = ", ".join(f"{group} {hit:.1f} %" for group, hit in out["groups"].items())
        deep = ", ".join(f"{group} {share:.1f} %" for group, share in out["deep"].items())
        costs = ", ".join(f"{group} {cost:.1f}" for group, cost in out["costs"].items())
        return "\n".join([
            f"hit    {out['hit']:6.2f} %  of all openings: the first image came from the fast tier (wanted: {WANTED['hit']} %)",
            f"       by group: {groups} (wanted: {WANTED['group']} %)",
            f"deep   by group: {deep} (at most: {WANTED['deep']} %)",
            f"TB     fast {out['tb'][0]:.1f}, near {out['tb'][1]:.1f}, deep {out['tb'][2]:.1f}",
            f"cost   {out['cost']:6.1f} thousand euros a year (budget: {BUDGET:.1f})",
            f"       by group: {costs}"])


def _year(hospital, which):
    """The past year of a hospital ("past") or the coming one ("coming"), in which old studies are opened a little later."""
    import numpy as np

    draws, groups = Draws(hospital.seed, f"cpsa-06 openings {which}"), {}
    for group, (per_year, count, bands) in GROUPS.items():
        ages = draws.spread(bands, count * draws.one(94, 106) // 100)
        if which == "coming":
            ages = np.where(ages > 30, ages * round(100 * LATER) // 100, ages)
        groups[group] = per_year * draws.one(98, 102) / 100 * (GROWTH if which == "coming" else 1), np.sort(ages)
    return Year(groups)


# ---- inputs

@lesson.input
def near1(hospital):
    """What /archive/near1 held on the first of each month, and holds now: a dictionary from date to TB."""
    return {day: round(used / 1e12, 1) for day, mount, _, used in hospital.logs.filesystems if mount == "/archive/near1"}


@lesson.input
def near1_months(hospital):
    """What each month brought to /archive/near1, and what of it was an import of priors: a table of month, brought_tb, import_tb.

    The import is the one of Eastcliff's priors over the weekend of 15 March 2025, read from the database: what the devices of Eastcliff
    sent then, brought to the size of the whole store as the rest is.
    """
    import pandas

    used = {day: bytes_ for day, mount, _, bytes_ in hospital.logs.filesystems if mount == "/archive/near1" and day.endswith("-01")}
    days = sorted(used)
    brought = {day[:7]: used[after] - used[day] for day, after in zip(days, days[1:])}
    stored = sum(row[4] for row in hospital.logs.volumes if row[0] == "2025-03")
    imported = hospital.pacs.rows(
        "SELECT SUM(r.size_bytes) FROM study s JOIN series r ON r.study_pk = s.pk WHERE s.created_utc >= '2025-03-15' AND "
        "s.created_utc < '2025-03-17' AND r.station_aet LIKE 'ECC%'")[1][0][0]
    return pandas.DataFrame(
        [(month, round(size / 1e12, 2), round(brought["2025-03"] * imported / stored / 1e12, 2) if month == "2025-03" else 0.0)
         for month, size in brought.items()], columns=["month", "brought_tb", "import_tb"])


@lesson.input
def joining(hospital):
    """Five collections of other departments that are to move into the archive: a table."""
    import pandas

    # The inventory is the same at every scale; the owners in it need the staff, which takes a second to make of 60,000 studies.
    inventory = edition(hospital.seed, "tiny").projects.departments.inventory
    rows = [(f"{one.department}, {one.kind}", ", ".join(one.formats), one.items_per_year, one.bytes_per_item // 1_000_000,
             one.growth_percent, JOINING[one.department, one.kind]) for one in inventory if (one.department, one.kind) in JOINING]
    return pandas.DataFrame(rows, columns=["collection", "formats", "items_per_year", "mb_per_item", "growth_percent", "ratio"])


def _usual(hospital):
    months = lesson.input_of("near1_months", hospital)
    return (months["brought_tb"] - months["import_tb"]).tolist()


@lesson.input
def ahead(hospital):
    """The coming months of near1 as the past year has them, 4 % more each year: a table of until, months, usual_tb.

    `until` is the first day after the month, `months` counts them, `usual_tb` is what the month brings. The first row is today; of April
    24 of 30 days are left.
    """
    import pandas

    year = _usual(hospital)[-12:]                                     # April 2024 to March 2025
    rows = [(str(TODAY), 0, 0.0)]
    for number in range(60):
        part = 24 / 30 if number == 0 else 1
        month = 5 + number
        rows.append((f"{2025 + (month - 1) // 12}-{(month - 1) % 12 + 1:02d}-01", number + 1,
                     round(part * year[number % 12] * GROWTH ** (1 + number // 12), 2)))
    return pandas.DataFrame(rows, columns=["until", "months", "usual_tb"])


@lesson.input
def stray(hospital):
    """By how much a month of near1 misses the same month of the year before, 4 % added: the standard deviation of 24 months, in TB."""
    import statistics

    usual = _usual(hospital)
    return round(statistics.stdev(usual[at] - GROWTH * usual[at - 12] for at in range(12, 36)), 2)


@lesson.input
def dbt_tb(hospital):
    """What tomosynthesis at each screening will add to near1, in TB a month, from September 2025 on."""
    return Draws(hospital.seed, "cpsa-06 tomosynthesis").one(15, 19) / 20


@lesson.input
def rules(hospital):
    """The house's retention rules for radiology, a table."""
    import pandas

    found = [one for one in hospital.projects.departments.rules if one.rule in ("ADULT", "MINOR", "BREAST")]
    return pandas.DataFrame(found).astype({"minor_until": "Int64"})


@lesson.input
def holds(hospital):
    """What may not be deleted, a table."""
    import pandas

    return pandas.DataFrame(hospital.projects.departments.holds)


@lesson.input
def add_years(hospital):
    """The function years_after(day, years)."""
    return years_after


def _trouble(hospital):
    """(which viewer is slow, why: A, B or C) of an edition."""
    draws = Draws(hospital.seed, "cpsa-06 cause")
    return VIEWERS[draws.one(0, 2)], "ABC"[draws.one(0, 2)]


@lesson.input
def openings(hospital):
    """Every opening of a study on Friday 4 April 2025, as the archive logged it: a table.

    `first_ms` is the time until the first image was there; `db_ms`, `disk_ms` and `net_ms` are the parts of it that were spent in the
    database, on the disks and on the network. `seconds` is the time until the last image had gone out, `mb` what went out.
    """
    return _opened(hospital, "cpsa-06 openings of a day", True)


@lesson.input
def tuesday(hospital):
    """What the report of the day before the trouble says, Tuesday 1 April 2025: a table of viewer, p50_s and p95_s of the first image."""
    import pandas

    first = _opened(hospital, "cpsa-06 openings of Tuesday", False).groupby("viewer")["first_ms"]
    seconds = {name: (first.quantile(share) / 1000).round(2) for name, share in (("p50_s", 0.5), ("p95_s", 0.95))}
    return pandas.DataFrame(seconds).reset_index()


def _opened(hospital, room, troubled):
    """The openings of a day, with or without the trouble of this edition."""
    import numpy as np
    import pandas

    slow, cause = _trouble(hospital)
    draws = Draws(hospital.seed, room)
    count = 9000 + draws.one(-300, 300)
    busiest = draws.one(9, 11)
    weights = np.array(HOURS)
    weights[busiest] += 9
    second = np.sort(3600 * draws.choose(weights, count) + draws.below(3600, count))
    where = draws.choose((28, 22, 12, 38), count)
    images = draws.spread(((48, 1, 4), (32, 20, 120), (20, 150, 600)), count)
    megabytes = np.where(images < 5, images * 9, images // 2 + 1)
    near = draws.happens(20, count)
    statements = draws.between(5, 9, count)
    each = draws.between(6, 22, count)                                                 # ms a statement, everywhere alike
    network = draws.between(30, 220, count)
    rate = draws.between(40, 110, count)                                               # Mbit/s of one transfer
    ill = (where == VIEWERS.index(slow)) & troubled
    if cause == "A":
        statements = np.where(ill, images + statements, statements)
    database = statements * each
    if cause == "B":
        database = np.where(ill, draws.between(1900, 6800, count), database)
    elif cause == "C":
        network = np.where(ill, draws.between(900, 7200, count), network)
        rate = np.where(ill, rate // 3, rate)
    disk = np.where(near, draws.between(86_000, 94_000, count), draws.between(40, 320, count))
    first = 80 + database + disk + network
    busy = np.where(second // 3600 == busiest, 135, 100)                               # in the busiest hour all is slower
    seconds = (first + megabytes * 8000 // rate * busy // 100) / 1000
    clock = [f"{one // 3600:02d}:{one // 60 % 60:02d}:{one % 60:02d}" for one in second.tolist()]
    return pandas.DataFrame({
        "time": clock, "hour": second // 3600, "viewer": [VIEWERS[one] for one in where.tolist()],
        "tier": np.where(near, "nearline", "online").tolist(), "images": images, "mb": megabytes, "statements": statements,
        "db_ms": database, "disk_ms": disk, "net_ms": network, "first_ms": first, "seconds": seconds.round(1)})


@lesson.input
def recovery(hospital):
    """What is known for a restore of near1 from Eastcliff: a dictionary."""
    draws = Draws(hospital.seed, "cpsa-06 recovery")
    tested = draws.one(52, 68) / 10
    percent = draws.one(52, 66)
    minutes = round(tested * 8000 / (10 * percent / 100) / 60)
    return {
        "images_tb": USED, "store_tb": CAPACITY, "line_gbit_s": 10, "test_tb": tested, "test_minutes": minutes,
        "hours_before_first_byte": draws.one(4, 8), "rto_hours": 48, "rpo_hours": 24, "copy_job_starts": "22:00",
        "copy_job_hours": draws.one(4, 7), "incoming_tb_a_day": 0.1}


@lesson.input
def past_year(hospital):
    """The openings from April 2024 to March 2025, to replay a tiering policy on: a Year."""
    return _year(hospital, "past")


@lesson.input
def coming_year(hospital):
    """The openings of the year to come, which the learner does not see: a Year."""
    return _year(hospital, "coming")


# ---- exercises

@lesson.exercise
class TerabytesAYear:
    """How many TB a year? Three numbers, rounded only at the end, to one decimal, in **TB** as makers count (1 TB = 1,000,000 MB):

    - `near1`: what near1 took in from April 2024 to March 2025 in its **usual work**, on which next year's budget will be built: the
      import of Eastcliff's priors will not come again. This is one copy, the one on near1, and so it stays here;
    - `joining`: what the five collections of `joining` will need in their **first year** (the items of the table), compressed
      without loss wherever that brings anything, and kept in **two copies**, one at each site: both count;
    - `joining_fifth`: the same for their **fifth year**, when each has grown four times by its own `growth_percent`.
    """

    answer = Fields("a_year", {"near1": YearlyTB(0.051), "joining": YearlyTB(0.051), "joining_fifth": YearlyTB(0.051)},
                    remark=lambda *one: _about_a_year(*one))
    points = 3

    def solution(near1_months, joining):
        year = near1_months[near1_months["month"] >= "2024-04"]
        usual = year["brought_tb"].sum() - year["import_tb"].sum()
        one_copy = joining["items_per_year"] * joining["mb_per_item"] / 1_000_000 / joining["ratio"]
        grown = one_copy * (1 + joining["growth_percent"] / 100) ** 4
        return {"near1": usual, "joining": 2 * one_copy.sum(), "joining_fifth": 2 * grown.sum()}

    def with_the_import(near1_months, joining):
        right = TerabytesAYear.solution(near1_months, joining)
        return {**right, "near1": near1_months["brought_tb"][-12:].sum()}

    def four_times_the_last_quarter(near1_months, joining):
        right = TerabytesAYear.solution(near1_months, joining)
        return {**right, "near1": 4 * (near1_months["brought_tb"] - near1_months["import_tb"])[-3:].sum()}

    def mean_of_three_years(near1_months, joining):
        right = TerabytesAYear.solution(near1_months, joining)
        return {**right, "near1": (near1_months["brought_tb"] - near1_months["import_tb"]).sum() / 3}

    def only_one_year_of_three_was_asked(near1_months, joining):
        right = TerabytesAYear.solution(near1_months, joining)
        return {**right, "near1": (near1_months["brought_tb"] - near1_months["import_tb"]).sum()}

    def without_march(near1_months, joining):
        right = TerabytesAYear.solution(near1_months, joining)
        return {**right, "near1": near1_months["brought_tb"][-12:-1].sum()}

    def near1_twice(near1_months, joining):
        right = TerabytesAYear.solution(near1_months, joining)
        return {**right, "near1": 2 * right["near1"]}

    def copies_once(near1_months, joining):
        right = TerabytesAYear.solution(near1_months, joining)
        return {**right, "joining": right["joining"] / 2, "joining_fifth": right["joining_fifth"] / 2}

    def fifth_year_once(near1_months, joining):
        right = TerabytesAYear.solution(near1_months, joining)
        return {**right, "joining_fifth": right["joining_fifth"] / 2}

    def nothing_compressed(near1_months, joining):
        return TerabytesAYear.solution(near1_months, joining.assign(ratio=1.0))

    def mean_ratio_for_all(near1_months, joining):
        return TerabytesAYear.solution(near1_months, joining.assign(ratio=joining["ratio"].mean()))

    def vendors_ratio_for_all(near1_months, joining):
        return TerabytesAYear.solution(near1_months, joining.assign(ratio=2.5))

    def ratio_multiplied(near1_months, joining):
        return TerabytesAYear.solution(near1_months, joining.assign(ratio=1 / joining["ratio"]))

    def compressed_twice(near1_months, joining):
        return TerabytesAYear.solution(near1_months, joining.assign(ratio=joining["ratio"] ** 2))

    def in_tib(near1_months, joining):
        right = TerabytesAYear.solution(near1_months, joining)
        return {**right, "joining": right["joining"] * 1000**4 / 1024**4, "joining_fifth": right["joining_fifth"] * 1000**4 / 1024**4}

    def growth_without_compounding(near1_months, joining):
        right = TerabytesAYear.solution(near1_months, joining)
        one_copy = joining["items_per_year"] * joining["mb_per_item"] / 1e6 / joining["ratio"]
        return {**right, "joining_fifth": 2 * (one_copy * (1 + 4 * joining["growth_percent"] / 100)).sum()}

    def five_times_grown(near1_months, joining):
        right = TerabytesAYear.solution(near1_months, joining)
        one_copy = joining["items_per_year"] * joining["mb_per_item"] / 1e6 / joining["ratio"]
        return {**right, "joining_fifth": 2 * (one_copy * (1 + joining["growth_percent"] / 100) ** 5).sum()}

    def five_years_together(near1_months, joining):
        right = TerabytesAYear.solution(near1_months, joining)
        one_copy = joining["items_per_year"] * joining["mb_per_item"] / 1e6 / joining["ratio"]
        grown = sum((one_copy * (1 + joining["growth_percent"] / 100) ** years).sum() for years in range(5))
        return {**right, "joining_fifth": 2 * grown}

    def mean_growth_for_all(near1_months, joining):
        right = TerabytesAYear.solution(near1_months, joining)
        return {**right, "joining_fifth": right["joining"] * (1 + joining["growth_percent"].mean() / 100) ** 4}

    wrong_ways = {
        with_the_import: "Your `near1` has the import of Eastcliff's priors in it, which came once. Whoever builds a budget on it buys "
        "that import again each year. Take `import_tb` off.",
        four_times_the_last_quarter: "Your `near1` is the last quarter times four. A quarter has a season in it (fewer exams in summer, "
        "ice and influenza in winter), and three months are few. Only twelve months hold each season once.",
        mean_of_three_years: "Your `near1` is as much as the mean of all three years. Exams grow by some 4 % a year, so that the mean of "
        "three years tells of the middle one. Asked is April 2024 to March 2025.",
        only_one_year_of_three_was_asked: "Your `near1` is the sum of all three years of the table. Asked are the twelve months from "
        "April 2024 to March 2025.",
        without_march: "You left out March 2025 altogether. Only the import came once; the usual work of that month comes again next "
        "year. Take `import_tb` off, and keep the rest of the month.",
        near1_twice: "You doubled `near1`. The table tells what near1 itself took in, and that is one copy; just that is asked. (Two "
        "copies are asked for the collections that join.)",
        copies_once: "Your `joining` counts each image once. It lies at two sites, and both are paid for: two copies.",
        fifth_year_once: "Your `joining_fifth` counts each image once, where `joining` counts both copies. In the fifth year there are "
        "two sites as well.",
        nothing_compressed: "Nothing is compressed in your `joining`. Where the pilot found a ratio above 1, the files get smaller: "
        "divide each row by its own `ratio`.",
        mean_ratio_for_all: "You divided all collections by the mean of the five ratios. The large ones, video and slides, are compressed "
        "already (their ratio is 1.0), and a mean of ratios weighs a small collection like a large one. Divide row by row, then add.",
        vendors_ratio_for_all: "You divided everything by the 2.5 of the brochures. It holds for what comes uncompressed; video, slides "
        "and the cardiologists' loops are compressed already, and with these nothing can be gained. The pilot measured each collection: "
        "divide by `ratio`.",
        ratio_multiplied: "You multiplied by the ratio. It says how many times **smaller** the files get: divide.",
        compressed_twice: "You divided by the ratio twice, as if the second copy were squeezed out of the first. What is compressed does "
        "not get smaller again, and both copies are of the same size.",
        in_tib: "These are TiB, counted in steps of 1024. Asked are TB, as disks are sold: 1 TB is 1,000,000 MB.",
        growth_without_compounding: "You took four times the first year's growth. Each year grows from the year before: by 10 %, a "
        "hundred becomes 110, and then 121. For the collection with the strongest growth that makes a great difference. `** 4` is four "
        "times as a factor.",
        five_times_grown: "You let the collections grow five times. The first year is the table as it is, so the fifth has grown four "
        "times.",
        five_years_together: "You added five years up. Asked is what comes in the fifth year alone.",
        mean_growth_for_all: "You let all together grow by the mean of the five percentages. The largest collection is also the one that "
        "grows fastest: each row by its own percentage, then add.",
    }
    hints = [
        'near1: keep the rows of the last twelve months, `near1_months[near1_months["month"] >= "2024-04"]`, add `brought_tb` up, and take '
        "off what came once.",
        "joining: for each row items x MB / 1,000,000 / ratio are the TB of one copy. pandas reckons with whole columns: "
        '`joining["items_per_year"] * joining["mb_per_item"]`.',
        'The fifth year: multiply that column with `(1 + joining["growth_percent"] / 100) ** 4` before you add it up.',
    ]
    praise = "Mind that `near1` is one copy and the other two numbers are two. Copy for copy the five together already bring more than " \
        "radiology, and by the third year pathology alone does. Two things carry such a number: what came once is out, and each " \
        "collection keeps its own ratio and its own growth."


def _about_a_year(name, given, right, input):
    """A sentence on a wrong entry of TerabytesAYear; None where the unit is off by thousands, which the number itself tells."""
    for number in given:
        if number == round(right[0]):
            return "Asked is one decimal; a whole number is not exact enough here."
        if abs(number / right[0] * 1024**4 / 1000**4 - 1) < 0.002:
            return "It looks like TiB, counted in steps of 1024. Asked are TB, as disks are sold: 1 TB is 1,000,000 MB."
        if abs(number / right[0] * 1024**2 / 1000**2 - 1) < 0.002:
            return "It looks as if the MB were divided by 1024 twice. Asked are TB, as disks are sold: 1 TB is 1,000,000 MB."
        if any(abs(number / right[0] / factor - 1) < 0.01 for factor in (1e3, 1e6, 1e9, 1e12, 1e-3)):
            return None
    if name == "near1":
        calendar = float(input("near1_months")["brought_tb"][-15:-3].sum())
        if any(abs(number - calendar) <= 0.051 for number in given):
            return "That fits the calendar year 2024, January to December. Asked are April 2024 to March 2025, without what came once."
        return "That is not what the usual work brought. `brought_tb` of the twelve rows from 2024-04 to 2025-03, added up, without " \
            "`import_tb`."
    slip = _one_collection(name, given, right, input("joining")) or _another_growth(name, given, input("joining"))
    if slip:
        return slip
    return {
        "joining": "That does not follow from the table. For each row: items x MB / 1,000,000 / its own ratio; then the sum, and two "
                   "copies of it. Round only at the end, to one decimal.",
        "joining_fifth": "`joining` is right. For the fifth year each row is multiplied four times with its own growth, before the rows "
                         "are added up. Round only at the end, to one decimal."}[name]


def _one_collection(name, given, right, joining):
    """A sentence on a sum that misses what one collection brings, or what compression saves in one, or None."""
    for row in joining.to_dict("records"):
        years = 4 if name == "joining_fifth" else 0
        part = 2 * row["items_per_year"] * row["mb_per_item"] / 1e6 / row["ratio"] * (1 + row["growth_percent"] / 100) ** years
        for number in given:
            if abs(number - right[0] + part) <= min(0.051, part / 2):
                return f"About as much is missing as {row['collection']} brings. Are all five rows in it, each with its own ratio?"
            if row["ratio"] > 1 and abs(number - right[0] - part * (row["ratio"] - 1)) <= min(0.051, part / 2):
                return f"It is too much by about what compression saves in {row['collection']}. Divide each row by its own ratio."
    return None


def _another_growth(name, given, joining):
    """A sentence on a sum in which growth or compression is not that of the year that is asked, or None."""
    size = 2 * joining["items_per_year"] * joining["mb_per_item"] / 1e6
    each = 1 + joining["growth_percent"] / 100

    def near(total):
        return any(abs(number - total) <= 0.051 for number in given)

    if name == "joining":
        for years in (1, 4):
            if near((size / joining["ratio"] * each**years).sum()):
                return "It has grown already. The first year is the table as it is."
        return None
    if near((size * each**4).sum()):
        return "Nothing is compressed in it, as it is in your `joining`: divide each row by its own ratio here, too."
    if near((size / joining["ratio"] * each**3).sum()):
        return "It has grown three times. From the first year to the fifth are four steps: `** 4`."
    if near((size / joining["ratio"]).sum() * GROWTH**4):
        return "It has grown by radiology's 4 % a year. Each collection has a growth of its own, `growth_percent`."
    return None


ABOUT_DATES = {
    "likely": "That does not follow from the table. `likely` begins with 187.2 and adds up `usual_tb` of each month and, in each month "
              "from September on, `dbt_tb`; and nothing else. The limit is 216 TB.",
    "early": "`likely` is right. `high` is `likely` plus 1.28 x `stray` x √n, and `early` is the day on which it reaches 216.",
    "late": "`likely` is right, and `early` is so within a day, which a band that is a little wrong may be too. `low` is `likely` minus "
            "1.28 x `stray` x √n, with the same band as `high`, and `late` is the day on which it reaches 216."}


def _about_dates(name, given, right, input):
    """A sentence on a wrong entry of WhenIsItFull."""
    if name == "order_by":
        order, early = given
        between = (early - order).days
        late = _dates(input("ahead"), input("stray"), input("dbt_tb"))["late"]
        if abs(between + LEAD_DAYS) <= 1:
            return f"It lies {-between} days after your `early`. The order goes out before that day: minus, and not plus."
        if abs((late - order).days - LEAD_DAYS) <= 1:
            return f"It lies {LEAD_DAYS} days before the late end. With that the shelf comes too late if 216 TB are reached early."
        if abs(between - LEAD_DAYS) <= 7:
            return f"Between your `order_by` and your `early` lie {between} days, and not {LEAD_DAYS}. `timedelta(days={LEAD_DAYS})`."
        side = "before" if between >= 0 else "after"
        return (f"It must lie {LEAD_DAYS} days before your `early`, and lies {abs(between)} days {side} it: "
                f"`early - timedelta(days={LEAD_DAYS})`.")
    return ABOUT_DATES[name]


class OrderDay(Day):
    """The day of an order with the day by which it is planned, as (order, early): right when just as many days lie between them."""

    def difference(self, answer, other):
        """None when the day of the order is the same, or `early` nearly so and the order as long before it."""
        (order, early), (order_2, early_2) = answer, other
        if order == order_2 or abs((early - early_2).days) <= self.tolerance and early - order == early_2 - order_2:
            return None
        return Difference("That is not the day that follows from your dates.", "value")


class LateDay(Day):
    """The late end of an interval with the early one, as (late, early): the width of the interval counts as well as the day."""

    def difference(self, answer, other):
        """None when the day is near enough, and the width is so too."""
        (late, early), (late_2, early_2) = answer, other
        if max(abs((late - late_2).days), abs((late - early - (late_2 - early_2)).days)) <= self.tolerance:
            return None
        return Difference("That is not the day that follows from the table.", "value")


class Dates(Fields):
    """The four dates of WhenIsItFull. The order and the late end are judged with the `early` that was given."""

    def read(self, given):
        """As Fields, with (order_by, early) as `order_by` and (late, early) as `late`."""
        values = super().read(given)
        return {**values, **{name: (values[name], values["early"]) for name in ("late", "order_by")}}


@lesson.exercise
class WhenIsItFull:
    """When does near1 reach **216 TB**, 90 % of its 240? Every screening mammogram made **from 1 September 2025 on** will have
    tomosynthesis, and each month from September brings `dbt_tb` TB **more** than `usual_tb` says.

    Make a table **`plan`**, a copy of `ahead`, with three columns more: **`likely`**, what is expected to lie on near1 on that day,
    today's 187.2 TB and all that has come since; **`high`** and **`low`**, the edges of the band. After n months (the column `months`)
    the sum strays by `stray` x √n; a band of 1.28 times that, up and down, holds 80 % of what may come. Then give four dates:

    - `likely`: the day on which the column `likely` reaches 216;
    - `early` and `late`: the same for `high` and for `low`. They are the ends of the **80 % interval**;
    - `order_by`: when the order must go out, so that the new shelf is there **182 days** later, even if 216 TB are reached **early**.

    `reached(plan, "likely", 216)` reads a date out of your table, as above.
    """

    answer = Dates("dates", {"likely": Day(1), "early": Day(1), "late": LateDay(1), "order_by": OrderDay(1)},
                   remark=lambda *one: _about_dates(*one))
    points = 4

    def solution(ahead, stray, dbt_tb):
        plan = ahead.copy()
        plan["dbt"] = 0.0
        plan.loc[plan["until"] > "2025-09-01", "dbt"] = dbt_tb
        plan["likely"] = 187.2 + (plan["usual_tb"] + plan["dbt"]).cumsum()
        band = 1.28 * stray * plan["months"] ** 0.5
        plan["high"] = plan["likely"] + band
        plan["low"] = plan["likely"] - band
        early = reached(plan, "high", 216)
        return {"likely": reached(plan, "likely", 216), "early": early, "late": reached(plan, "low", 216),
                "order_by": early - timedelta(days=182)}

    def no_step(ahead, stray, dbt_tb):
        return _dates(ahead, stray, 0)

    def step_from_today(ahead, stray, dbt_tb):
        return _dates(ahead, stray, dbt_tb, since="2025-04-07")

    def first_row_over(ahead, stray, dbt_tb):
        plan = _planned(ahead, stray, dbt_tb)
        first = {name: date.fromisoformat(plan["until"][plan[column] >= LIMIT].iloc[0])
                 for name, column in (("likely", "likely"), ("early", "high"), ("late", "low"))}
        return {**first, "order_by": first["early"] - timedelta(LEAD_DAYS)}

    def step_a_month_early(ahead, stray, dbt_tb):
        return _dates(ahead, stray, dbt_tb, since="2025-08-01")

    def step_a_month_late(ahead, stray, dbt_tb):
        return _dates(ahead, stray, dbt_tb, since="2025-10-01")

    def step_once(ahead, stray, dbt_tb):
        return _dates(ahead, stray, dbt_tb, only_first=True)

    def at_the_alarm(ahead, stray, dbt_tb):
        return _dates(ahead, stray, dbt_tb, limit=192)

    def full_to_the_brim(ahead, stray, dbt_tb):
        return _dates(ahead, stray, dbt_tb, limit=CAPACITY)

    def band_of_one_month(ahead, stray, dbt_tb):
        return _dates(ahead, stray, dbt_tb, power=0)

    def band_times_months(ahead, stray, dbt_tb):
        return _dates(ahead, stray, dbt_tb, power=1)

    def band_of_a_mean(ahead, stray, dbt_tb):
        return _dates(ahead, stray, dbt_tb, power=-0.5)

    def band_of_95(ahead, stray, dbt_tb):
        return _dates(ahead, stray, dbt_tb, factor=1.96)

    def ends_swapped(ahead, stray, dbt_tb):
        right = _dates(ahead, stray, dbt_tb)
        return {**right, "early": right["late"], "late": right["early"], "order_by": right["late"] - timedelta(LEAD_DAYS)}

    def ordered_for_the_likely_day(ahead, stray, dbt_tb):
        right = _dates(ahead, stray, dbt_tb)
        return {**right, "order_by": right["likely"] - timedelta(LEAD_DAYS)}

    def ordered_when_it_is_full(ahead, stray, dbt_tb):
        right = _dates(ahead, stray, dbt_tb)
        return {**right, "order_by": right["early"]}

    wrong_ways = {
        no_step: "That is the line of the past, drawn on. In September something changes that the past does not know: from then on each "
        "month brings `dbt_tb` more.",
        step_from_today: "You let tomosynthesis begin at once. It begins on 1 September 2025: the months before bring what is usual.",
        step_a_month_early: "So early comes `likely` if August already has tomosynthesis, or if growth is put on once more. The row with "
        "`until` 2025-09-01 is August, for the column says when a month is over: `>`, and not `>=`. And `usual_tb` has its 4 % already.",
        step_a_month_late: "So late comes `likely` if September itself brings nothing more, if a month brings less than `dbt_tb` more, or "
        "if the sum begins with less than 187.2. September's row is the one with `until` 2025-10-01: the column says when a month is over.",
        step_once: "So late comes `likely` if the tomosynthesis is added to one month only, or if the date is taken from a row of the "
        "table. A step stays: every month from September on brings `dbt_tb` more. And `reached` finds the day within a month.",
        first_row_over: "These are dates from the column `until`: the first row in which 216 is passed. It says only by when; the day on "
        "which it happens lies within the month before. `reached(plan, \"likely\", 216)` finds it.",
        at_the_alarm: "That is when 80 % are reached, 192 TB. The alarm rings then, and tells you to plan; the house's limit, and the one "
        "that is asked, is 216 TB.",
        full_to_the_brim: "Those are the dates for 240 TB, when nothing can be written any more. The house's limit is 90 % of it.",
        band_of_one_month: "Your band is too narrow, about as wide as ± 1.28 x `stray` would be in every month. What one month misses is "
        "carried on into the sum, and the next one misses again: after n months it is 1.28 x `stray` x √n.",
        band_times_months: "Your band is far too wide, about as wide as 1.28 x `stray` x n. That would be so if every month missed to the "
        "same side. Months that miss up and down in turn cancel out in part: √n.",
        band_of_a_mean: "Your `early` is next to `likely`, so there is hardly any band between them. After n months the **sum** strays "
        "by `stray` x √n, and that grows. (Divided by √n, it would be how far the **mean** of the months strays.)",
        band_of_95: "Your `early` is too early, as it would be with a band of 1.96 (for 95 %) or 1.645 (for 90 %). Asked are 80 %: 1.28. "
        "(10 % then lie above it, and 10 % below.)",
        ends_swapped: "Early and late are swapped. The store fills early when more comes: the upper edge of the band reaches 216 TB first.",
        ordered_for_the_likely_day: "You counted the 182 days back from the likely day. In half of all cases 216 TB are reached before "
        "that. The order is planned by the early end.",
        ordered_when_it_is_full: "`order_by` is the day on which the store may be full. The tender, the delivery and the migration take "
        "182 days, which must lie before it.",
    }
    hints = [
        "Make the columns one after the other: `dbt` (0.0, and `dbt_tb` in the rows from September on), `likely`, `high`, `low`. The "
        "cell above shows how `.loc` fills some rows, and how `** 0.5` takes a root.",
        '`plan["likely"] = 187.2 + (plan["usual_tb"] + plan["dbt"]).cumsum()`.',
        '`band = 1.28 * stray * plan["months"] ** 0.5`; `high` is likely plus band, `low` likely minus band.',
        '`early = reached(plan, "high", 216)`, and `order_by` is `early - timedelta(days=182)`.',
    ]
    praise = "A date, an interval and the day of the order: that is what purchasing asked for. Write beside it what would move it " \
        "most, here tomosynthesis, and look again every quarter: the interval holds only what the past strayed, not what nobody has " \
        "announced."


def _dates(ahead, stray, dbt_tb, since="2025-09-01", only_first=False, limit=LIMIT, power=0.5, factor=1.28):
    """The four dates, with one thing done otherwise."""
    plan = _planned(ahead, stray, dbt_tb, since, only_first, power, factor)
    early = reached(plan, "high", limit)
    return {"likely": reached(plan, "likely", limit), "early": early, "late": reached(plan, "low", limit),
            "order_by": early - timedelta(LEAD_DAYS)}


def _planned(ahead, stray, dbt_tb, since="2025-09-01", only_first=False, power=0.5, factor=1.28):
    """The table `plan`, with one thing done otherwise."""
    plan = ahead.copy()
    later = plan["until"] > since
    plan["dbt"] = dbt_tb * (later & (later.cumsum() == 1) if only_first else later)
    plan["likely"] = USED + (plan["usual_tb"] + plan["dbt"]).cumsum()
    band = factor * stray * plan["months"].clip(lower=1) ** power
    plan["high"], plan["low"] = plan["likely"] + band, plan["likely"] - band
    return plan


@lesson.exercise
class MayItGo:
    """Write `decide(exam, patient, today)`: may the images of this exam be deleted? Return `"hold"`, `"keep"` or `"delete"`.

        exam    = {"kind": "mammogram", "date": date(2014, 3, 5), "prior_until": None}
        patient = {"birth_date": date(1961, 8, 17), "last_contact": date(2024, 11, 2),
                   "mammograms": [date(2014, 3, 5), date(2016, 4, 11)],
                   "holds": [{"kind": "research", "until": date(2024, 9, 1)}]}

    The house's policy, in this order:

    1. **Hold.** While a hold is in force, of whatever kind: `"hold"`. `until` is the day on which it ends; from that day on it is no longer
       in force. `None`: no end is known.
    2. **No birth date** (`None`): `"keep"`, and somebody looks for it.
    3. Otherwise **every rule that applies** gives a day, and the **latest** of these counts. From that day on: `"delete"`; before it:
       `"keep"`.
       - BREAST, for a mammogram: 5 years after this exam, if the patient had a **later** mammogram here (however much or little later);
         else 10 years after this exam.
       - MINOR, for any exam **made before the 18th birthday**: the 38th birthday.
       - ADULT, for all that is neither a mammogram nor a minor's: 20 years after the **last contact**.
       - `prior_until`: an exam that was compared with this one is kept until that day, and this one as long. `None`: there is none.

    `exam["kind"]` is `"mammogram"` or something else, such as `"CT"`. `patient["mammograms"]` are all that were made here, this one
    too, and like the holds they stand in no particular order. `years_after(day, 20)` is the day 20 years later.
    """

    answer = Function("decide", result=Text("decide", reading=decision), about=lambda *case: _what_to_look_at(*case))
    points = 4

    def solution(exam, patient, today):
        for hold in patient["holds"]:
            if hold["until"] is None or hold["until"] > today:
                return "hold"
        if patient["birth_date"] is None:
            return "keep"
        days = []
        minor = exam["date"] < years_after(patient["birth_date"], 18)
        if exam["kind"] == "mammogram":
            years = 10
            for other in patient["mammograms"]:
                if other > exam["date"]:
                    years = 5
            days.append(years_after(exam["date"], years))
        if minor:
            days.append(years_after(patient["birth_date"], 38))
        if exam["kind"] != "mammogram" and not minor:
            days.append(years_after(patient["last_contact"], 20))
        if exam["prior_until"] is not None:
            days.append(exam["prior_until"])
        if today >= max(days):
            return "delete"
        return "keep"

    def by_exam_date(exam, patient, today):
        return MayItGo.solution(exam, {**patient, "last_contact": exam["date"]}, today)

    def priors_forgotten(exam, patient, today):
        return MayItGo.solution({**exam, "prior_until": None}, patient, today)

    def holds_forgotten(exam, patient, today):
        return MayItGo.solution(exam, {**patient, "holds": []}, today)

    def holds_for_ever(exam, patient, today):
        return MayItGo.solution(exam, {**patient, "holds": [{**one, "until": None} for one in patient["holds"]]}, today)

    def litigation_only(exam, patient, today):
        return MayItGo.solution(exam, {**patient, "holds": [one for one in patient["holds"] if one["kind"] == "litigation"]}, today)

    def first_hold_only(exam, patient, today):
        return MayItGo.solution(exam, {**patient, "holds": patient["holds"][:1]}, today)

    def last_hold_only(exam, patient, today):
        return MayItGo.solution(exam, {**patient, "holds": patient["holds"][-1:]}, today)

    def every_hold(exam, patient, today):
        ended = any(one["until"] is not None and one["until"] <= today for one in patient["holds"])
        return MayItGo.solution(exam, {**patient, "holds": [] if ended else patient["holds"]}, today)

    def birth_date_first(exam, patient, today):
        return "keep" if patient["birth_date"] is None else MayItGo.solution(exam, patient, today)

    def open_holds_forgotten(exam, patient, today):
        return MayItGo.solution(exam, {**patient, "holds": [one for one in patient["holds"] if one["until"] is not None]}, today)

    def minors_like_adults(exam, patient, today):
        return MayItGo.solution(exam, {**patient, "birth_date": patient["birth_date"] and date(1900, 1, 1)}, today)

    def until_18(exam, patient, today):
        return _decided(exam, patient, today, grown=18)

    def years_of_365_days(exam, patient, today):
        return _decided(exam, patient, today, after=lambda day, years: day + timedelta(365 * years))

    def one_day_late(exam, patient, today):
        return _decided(exam, patient, today - timedelta(1), hold_today=today)

    def ends_at_night(exam, patient, today):
        return MayItGo.solution(exam, {**patient, "holds": [
            {**one, "until": one["until"] and one["until"] + timedelta(1)} for one in patient["holds"]]}, today)

    def minor_on_the_birthday(exam, patient, today):
        return _decided(exam, patient, today, childhood=timedelta(1))

    def adult_by_365_days(exam, patient, today):
        return _decided(exam, patient, today, adult_days=365 * 20)

    def adult_ten_years(exam, patient, today):
        return _decided(exam, patient, today, adult_years=10)

    def age_by_years(exam, patient, today):
        return _decided(exam, patient, today, by_years=True)

    def five_years_always(exam, patient, today):
        return MayItGo.solution(exam, {**patient, "mammograms": [*patient["mammograms"], date(9999, 1, 1)]}, today)

    def ten_years_always(exam, patient, today):
        return MayItGo.solution(exam, {**patient, "mammograms": []}, today)

    def any_mammogram_is_later(exam, patient, today):
        return MayItGo.solution(exam, {**patient, "mammograms": [date(9999, 1, 1)] * (len(patient["mammograms"]) > 1)}, today)

    def last_mammogram_decides(exam, patient, today):
        return MayItGo.solution(exam, {**patient, "mammograms": patient["mammograms"][-1:]}, today)

    def first_mammogram_decides(exam, patient, today):
        return MayItGo.solution(exam, {**patient, "mammograms": patient["mammograms"][:1]}, today)

    def done_after_a_later_one(exam, patient, today):
        if _later(exam, patient):
            patient = {**patient, "birth_date": patient["birth_date"] and date(1900, 1, 1)}
            exam = {**exam, "prior_until": None}
        return MayItGo.solution(exam, patient, today)

    def minor_not_with_a_later_one(exam, patient, today):
        if _later(exam, patient):
            patient = {**patient, "birth_date": patient["birth_date"] and date(1900, 1, 1)}
        return MayItGo.solution(exam, patient, today)

    def prior_not_with_a_later_one(exam, patient, today):
        return MayItGo.solution({**exam, "prior_until": None} if _later(exam, patient) else exam, patient, today)

    def prior_not_for_minors(exam, patient, today):
        birth = patient["birth_date"]
        minor = birth is not None and exam["date"] < years_after(birth, 18)
        return MayItGo.solution({**exam, "prior_until": None} if minor else exam, patient, today)

    def prior_keeps_for_ever(exam, patient, today):
        return MayItGo.solution({**exam, "prior_until": exam["prior_until"] and date(9999, 1, 1)}, patient, today)

    def later_in_time(exam, patient, today):
        limit = years_after(exam["date"], 5)
        return MayItGo.solution(exam, {**patient, "mammograms": [one for one in patient["mammograms"] if one <= limit]}, today)

    def from_the_last_mammogram(exam, patient, today):
        return _decided(exam, patient, today, breast_from=lambda exam, patient: max([exam["date"], *patient["mammograms"]]))

    def mammograms_like_the_rest(exam, patient, today):
        return MayItGo.solution({**exam, "kind": "CT"}, patient, today)

    def adult_rule_for_all(exam, patient, today):
        return _decided(exam, patient, today, adult_too=("minor", "mammogram"))

    def adult_rule_for_minors(exam, patient, today):
        return _decided(exam, patient, today, adult_too=("minor",))

    def adult_rule_beside_minor(exam, patient, today):
        return _decided(exam, patient, today, adult_too=("minor",) if exam["kind"] != "mammogram" else ())

    def breast_without_a_birth_date(exam, patient, today):
        if exam["kind"] == "mammogram" and patient["birth_date"] is None:
            patient = {**patient, "birth_date": date(1900, 1, 1)}
        return MayItGo.solution(exam, patient, today)

    def year_replaced(exam, patient, today):
        return _decided(exam, patient, today, after=lambda day, years: day.replace(year=day.year + years))

    def minor_from_the_exam(exam, patient, today):
        return _decided(exam, patient, today, minor_from_exam=True)

    def prior_in_place_of_the_rules(exam, patient, today):
        if MayItGo.solution(exam, patient, today) == "hold" or patient["birth_date"] is None or exam["prior_until"] is None:
            return MayItGo.solution(exam, patient, today)
        return "delete" if today >= exam["prior_until"] else "keep"

    def prior_in_place_of_adult(exam, patient, today):
        if exam["prior_until"] is None:
            return MayItGo.solution(exam, patient, today)
        return MayItGo.solution(exam, {**patient, "last_contact": date(1900, 1, 1)}, today)

    def one_rule_only(exam, patient, today):
        if exam["kind"] == "mammogram" and patient["birth_date"] is not None:
            patient = {**patient, "birth_date": date(1900, 1, 1)}
        return MayItGo.solution(exam, patient, today)

    def earliest_day(exam, patient, today):
        return _decided(exam, patient, today, choose=min)

    def unknown_is_adult(exam, patient, today):
        return MayItGo.solution(exam, {**patient, "birth_date": patient["birth_date"] or date(1900, 1, 1)}, today)

    def birth_date_not_asked(exam, patient, today):
        if patient["birth_date"] is None and MayItGo.solution(exam, patient, today) != "hold":
            years_after(patient["birth_date"], 18)
        return MayItGo.solution(exam, patient, today)

    def adult_for_ct_only(exam, patient, today):
        return _decided(exam, patient, today, adult_kinds=("CT",))

    def keeps_all(exam, patient, today):
        return "hold" if MayItGo.solution(exam, patient, today) == "hold" else "keep"

    def hold_is_keep(exam, patient, today):
        said = MayItGo.solution(exam, patient, today)
        return "keep" if said == "hold" else said

    wrong_ways = {
        keeps_all: "You delete nothing. A store that forgets nothing is no safe choice either: what may not be kept longer than needed "
        "has to go, and somebody pays for the rest.",
        hold_is_keep: "You return `\"keep\"` where a hold is in force. The clock of a rule runs out; a hold stops every clock until "
        "somebody ends it, and whoever reads the list must see which of the two it is.",
        holds_forgotten: "You do not look at the holds. Images that a court waits for would be deleted, by the rule and all the same "
        "unlawfully. A hold comes before every rule.",
        holds_for_ever: "You take every hold for one in force. One whose `until` is today or past has ended; then the rules count again.",
        litigation_only: "You look at holds of the kind litigation only. The policy says: of whatever kind.",
        first_hold_only: "You look at the first hold only. A patient may have several, and one in force is enough. Is there a `return` in "
        "the loop that ends it on the first turn?",
        last_hold_only: "Of several holds the last one decides in your function. One in force is enough, wherever it stands in the list. "
        "Is there an `else` in the loop that takes back what an earlier hold has set?",
        every_hold: "You want all holds of a patient to be in force. One is enough: when a study's hold has ended, the court's still "
        "counts.",
        birth_date_first: "You ask for the birth date before you look at the holds. The policy has its order: a hold in force is "
        "`\"hold\"`, whatever else is missing.",
        open_holds_forgotten: "You miss the holds without an end. `None` means that no end is known, so they are in force.",
        by_exam_date: "You count an adult's 20 years from the exam. The rule counts from the last contact: the patient still comes, and "
        "you have deleted the priors with which the next exam will be compared.",
        priors_forgotten: "You do not look at `prior_until`. The exam that was read beside this one stays, and what it was compared with "
        "goes.",
        minors_like_adults: "You treat the images of a minor like an adult's. What counts is the age at the exam: whether it was made "
        "before the 18th birthday, not how old the patient is today. The child of then is grown up, and the rule still holds.",
        until_18: "You keep a minor's images until the 18th birthday. The rule keeps them 20 years longer.",
        age_by_years: "You subtract years. Who is born in December is not 18 in January of the eighteenth year: compare days, with "
        "`years_after(patient[\"birth_date\"], 18)`.",
        years_of_365_days: "You count a year as 365 days. In twenty years that is five days too early, for there are leap years: take "
        "`years_after`.",
        adult_by_365_days: "You count ADULT's years as 365 days each. In twenty years that is five days too early, for there are leap "
        "years: take `years_after`.",
        adult_ten_years: "You let the images of an adult go ten years after the last contact, as in the pattern `ten_years_for_all`. ADULT "
        "says 20.",
        one_day_late: "You compare with `>`. *From that day on* includes the day itself: `>=`.",
        ends_at_night: "You let a hold last until the evening of the day on which it ends. The policy says: from that day on it is no "
        "longer in force.",
        minor_on_the_birthday: "You count the 18th birthday itself to childhood. *Before* the birthday is `<`, and not `<=`.",
        five_years_always: "You keep every mammogram 5 years. Without a later one made here it is 10: nobody knows whether the woman "
        "comes back, and it is the only one for comparison (21 CFR 900.12(c)(4)(i) has the same form).",
        ten_years_always: "You keep every mammogram 10 years. With a later mammogram here, 5 are enough.",
        last_mammogram_decides: "Of several mammograms the last one in the list decides in your function. The list stands in no particular "
        "order, and one later mammogram is enough, wherever it stands. Is there a `[-1]`, or an `else` in the loop that takes back what an "
        "earlier turn has set?",
        first_mammogram_decides: "Of several mammograms the first one in the list decides in your function. The list stands in no "
        "particular order, and one later mammogram is enough, wherever it stands. Is there a `[0]`, or does the loop end on its first "
        "turn?",
        done_after_a_later_one: "Where a mammogram has a later one, its 5 years are the only day that you look at. They are one day among "
        "others: MINOR and `prior_until` may give a later one, and the latest counts.",
        minor_not_with_a_later_one: "Where a mammogram has a later one, you leave MINOR out. A girl's mammogram is a minor's exam all the "
        "same: her 38th birthday is one day more, and the latest counts.",
        prior_not_with_a_later_one: "Where a mammogram has a later one, you leave `prior_until` out. It is one day more beside the 5 "
        "years, and the latest counts.",
        prior_not_for_minors: "For a minor's exam you leave `prior_until` out. It is one day more beside the 38th birthday, and the latest "
        "counts.",
        prior_keeps_for_ever: "You keep whatever has a `prior_until`. It is a day like the others: once it is reached, it keeps nothing.",
        later_in_time: "You count a later mammogram only if it came within 5 years. The policy asks no more than that there is a later "
        "one, however much later: from then on this exam is not the only one for comparison.",
        from_the_last_mammogram: "You count the years from the patient's last mammogram. BREAST counts them from **this** exam; that "
        "there is a later one only makes 5 of the 10.",
        any_mammogram_is_later: "You count any other mammogram, an earlier one as well. Only one **after** this exam shortens the time: "
        "the newest of a series has none.",
        mammograms_like_the_rest: "You apply ADULT, the rule of all other images, to mammograms. They have one of their own, BREAST.",
        adult_rule_for_all: "You apply ADULT to mammograms and minors, too. It holds for what no other rule names.",
        adult_rule_for_minors: "You apply ADULT to a minor's exam as well, so that it is kept 20 years after the last contact. MINOR "
        "names it already: the 38th birthday is its day, and ADULT is for what no other rule names.",
        adult_rule_beside_minor: "A minor's CT gets the day of ADULT beside that of MINOR, so that it is kept 20 years after the last "
        "contact. ADULT is for what is neither a mammogram **nor a minor's**: two conditions.",
        breast_without_a_birth_date: "A mammogram of a patient without a birth date goes in your function, since BREAST does not need it. "
        "But step 2 comes before all rules: whether MINOR applies too nobody can say, so `\"keep\"`, whatever kind it is.",
        year_replaced: "29 February is not in every year: there `.replace(year=...)` stops. `years_after` knows it.",
        minor_from_the_exam: "You keep a minor's images for 20 years from the exam. MINOR counts from the 18th birthday: until the 38th.",
        prior_in_place_of_the_rules: "Where there is a `prior_until`, you ask no other rule. It is one day more among those of the rules, "
        "and the latest counts.",
        prior_in_place_of_adult: "Where there is a `prior_until`, you leave ADULT out. It is one day more beside that of the rule, and "
        "the latest counts.",
        one_rule_only: "For a mammogram you ask no other rule. A girl of seventeen may have one, after radiotherapy for example: then "
        "MINOR applies too, and of the two days the later one counts.",
        earliest_day: "Of several days you take the earliest. A rule says *at least so long*: the longest of them counts.",
        birth_date_not_asked: "For one patient no birth date is known, and with `None` nothing can be reckoned. Ask for that first, with "
        "`is None`: the policy's step 2.",
        adult_for_ct_only: "Here none of your rules gave a day. ADULT gives one for all that is neither a mammogram nor a minor's, "
        "whatever its kind; `\"CT\"` is only an example.",
        unknown_is_adult: "Without a birth date you take the patient for an adult. What cannot be decided is not deleted: `\"keep\"`.",
    }
    hints = [
        "Go through the policy from top to bottom. Steps 1 and 2 end the function with a `return`; for step 3 collect days in a list.",
        '`for hold in patient["holds"]:` and in it `if hold["until"] is None or hold["until"] > today:` with a `return`. No `else` there: '
        "the next hold may be in force.",
        'A minor\'s exam: `exam["date"] < years_after(patient["birth_date"], 18)`. A later mammogram: go through `patient["mammograms"]` '
        'and see whether one is `> exam["date"]`.',
        "`days = []`, then `days.append(...)` for each rule that applies, and at the end compare `today` with `max(days)`.",
    ]
    praise = "A rule engine of twenty lines, and each line can be shown to a lawyer. In service it runs as a list for two signatures " \
        "first, and only then as a deletion."

    def cases(draw):
        found = []
        for kind in draw.sample(("CT", "MR", "DX"), 3):
            found += _situations(draw, kind)
        draw.shuffle(found)
        return found


def _later(exam, patient):
    """Whether an exam is a mammogram with a later one."""
    return exam["kind"] == "mammogram" and any(one > exam["date"] for one in patient["mammograms"])


def _situations(draw, kind):
    """Cases of MayItGo, with dates by chance: each rule with its limit on either side, rules together, and each hold.

    kind : what is neither a mammogram nor a minor's in them
    """
    today = date(draw.randrange(2024, 2028), draw.randrange(1, 13), draw.randrange(1, 28))

    def ago(low, high):
        """A day so many years ago, and some months."""
        return today - timedelta(round(365.25 * draw.randrange(low, high)) + draw.randrange(20, 340))

    def one(kind, made, contact, birth=None, prior=None, mammograms=(), holds=(), unknown=False, listed=None):
        birth = None if unknown else birth or made - timedelta(365 * draw.randrange(25, 60))
        mammograms = [*mammograms, made] if kind == "mammogram" else [*mammograms]
        draw.shuffle(mammograms)
        mammograms = listed or mammograms
        return ({"kind": kind, "date": made, "prior_until": prior},
                {"birth_date": birth, "last_contact": contact, "mammograms": mammograms, "holds": list(holds)}, today)

    def hold(until, kind=None):
        return {"kind": kind or draw.choice(("litigation", "research")), "until": until}

    old, soon, past = ago(22, 26), today + timedelta(draw.randrange(30, 900)), today - timedelta(draw.randrange(30, 900))
    found = [one(kind, old, old), one(kind, old, ago(3, 12)), one(kind, ago(5, 15), ago(1, 3)), one(kind, old, old, prior=soon),
             one(kind, old, old, prior=past), one(kind, old, ago(3, 12), prior=past), one("mammogram", ago(2, 4), ago(0, 2), prior=past),
             one(kind, old, old, unknown=True)]
    # Mammograms: the only one, the newest, one with a later one, and old ones; with and without an exam that was compared with them.
    for years in (6, 7, 8):
        made = ago(years, years + 1)
        later, earlier = made + timedelta(draw.randrange(400, 1500)), made - timedelta(draw.randrange(400, 1500))
        found += [one("mammogram", made, later), one("mammogram", made, made, mammograms=[earlier]),
                  one("mammogram", made, later, mammograms=[later]), one("mammogram", made, later, mammograms=[earlier, later])]
    # The next one came after more than five years, or soon; the exam itself is more than five years old, or more than seven.
    for months, later in ((110, 64), (115, 75), (112, 100), (104, 18), (76, 30)):
        made = today - timedelta(round(30.44 * months) + draw.randrange(20))
        found.append(one("mammogram", made, ago(0, 1), mammograms=[made + timedelta(round(30.44 * later) + draw.randrange(20))]))
    # One later mammogram is enough, wherever it stands in the list.
    made = ago(6, 9)
    later, earlier = made + timedelta(draw.randrange(400, 1500)), made - timedelta(draw.randrange(400, 1500))
    found += [one("mammogram", made, later, listed=listed)
              for listed in ([later, made], [made, later], [later, made, earlier], [earlier, later, made], [earlier, made, later])]
    # Several rules together: with a later mammogram, a prior that was compared and a minor still count, and so does a prior for a minor.
    girl, woman = ago(7, 11), ago(24, 27)
    found += [one("mammogram", made, later, mammograms=[later], prior=until) for until in (soon, past)]
    found += [one("mammogram", girl, ago(0, 1), birth=girl - timedelta(365 * 16), mammograms=[girl + timedelta(700)], prior=until)
              for until in (None, past)]
    found += [one("mammogram", woman, ago(0, 1), birth=woman - timedelta(365 * 16), mammograms=[woman + timedelta(700)], prior=until)
              for until in (None, soon)]
    found += [one(kind, woman, ago(1, 3), birth=woman - timedelta(365 * draw.randrange(14, 17)), prior=until) for until in (soon, past)]
    found.append(one(kind, ago(12, 14), ago(1, 3), birth=ago(24, 26), prior=past))
    made = ago(11, 15)
    found += [one("mammogram", made, ago(0, 2)), one("mammogram", made, ago(0, 2), prior=soon),
              one("mammogram", ago(2, 4), ago(0, 2), mammograms=[ago(0, 1)])]
    # Children of then: by the rule until 38, the contact long ago; and about the 18th birthday, in the year of it.
    made = ago(22, 24)
    child = made - timedelta(365 * draw.randrange(8, 13))
    grown = made - timedelta(365 * 17 + draw.randrange(-300, 100))
    found += [one(kind, made, made, birth=child), one(kind, made, ago(1, 3), birth=child), one(kind, made, made, birth=grown),
              one(kind, ago(12, 14), ago(1, 3), birth=ago(24, 26)), one(kind, ago(30, 33), ago(0, 2), birth=ago(42, 45))]
    girl = ago(12, 15)
    found.append(one("mammogram", girl, girl, birth=girl - timedelta(365 * 16)))              # rare, and rules do not ask
    birth = date(today.year - 38, 12, draw.randrange(1, 28))
    made = date(birth.year + 18, draw.randrange(1, 4), draw.randrange(1, 28))           # seventeen, in the year of the 18th birthday
    summer = date(today.year, 7, draw.randrange(1, 28))
    found.append((*one(kind, made, made, birth=birth)[:2], summer))
    # On the day, and one day before it: every rule to the day.
    def years_ago(years, days=0):
        return date(today.year - years, today.month, today.day) + timedelta(days)

    for days in (0, 1):
        found += [one(kind, ago(26, 29), years_ago(20, days)), one("mammogram", years_ago(10, days), ago(1, 3)),
                  one("mammogram", years_ago(5, days), ago(1, 3), mammograms=[ago(1, 3)]),
                  one(kind, ago(26, 28), ago(22, 25), birth=years_ago(38, days)),
                  one(kind, ago(26, 28), ago(22, 25), prior=today + timedelta(days))]
    # Some days or some years before the day of each rule, so that a year too few is told from years of 365 days.
    found += [one(kind, ago(26, 29), years_ago(20, 12)), one("mammogram", years_ago(10, 12), ago(1, 3)),
              one("mammogram", years_ago(5, 12), ago(1, 3), mammograms=[ago(1, 3)]),
              one(kind, ago(26, 28), ago(22, 25), birth=years_ago(38, 20)),
              *(one(kind, ago(26, 29), years_ago(years, days)) for years, days in ((10, 12), (10, -12), (15, -12)))]
    # Made on the 18th birthday, and on the day before it, by somebody who still comes.
    found += [one(kind, years_ago(21), ago(3, 9), birth=years_ago(39)), one(kind, years_ago(21), ago(3, 9), birth=years_ago(39, 1))]
    # Holds, where the rule would delete.
    for until in (None, soon, today, past):
        found += [one(kind, old, old, holds=[hold(until, which)]) for which in ("litigation", "research")]
    for several in ((past, soon), (past, None), (soon, past), (None, past), (past, soon, past), (past, past)):
        found.append(one(kind, old, old, holds=[hold(until) for until in several]))
    found += [one(kind, ago(3, 9), ago(0, 2), holds=[hold(None)]), one(kind, ago(3, 9), ago(0, 2), holds=[hold(past)]),
              one(kind, old, old, holds=[hold(soon)], unknown=True)]
    return found + _more_situations(draw, one, ago, kind, today, soon, past)


def _more_situations(draw, one, ago, kind, today, soon, past):
    """Further cases of MayItGo: no birth date where a rule would delete, later mammograms soon after, other ages and kinds, leap days.

    one, ago : those of _situations
    """
    # No birth date: of a mammogram whose years are over, of an exam whose prior_until is past, of a very old one.
    made = ago(11, 15)
    found = [one("mammogram", made, made, unknown=True), one("mammogram", made, made, unknown=True, prior=past),
             one("mammogram", ago(7, 9), ago(1, 2), mammograms=[ago(2, 4)], unknown=True),
             one(kind, ago(22, 26), ago(22, 26), unknown=True, prior=past), one(kind, ago(41, 45), ago(41, 45), unknown=True)]
    # The only later mammogram came in the same month, in the same year, or within a year.
    year = today.year - draw.randrange(7, 9)
    for made, days in ((date(year, draw.randrange(1, 13), draw.randrange(1, 9)), draw.randrange(7, 19)),
                       (date(year, draw.randrange(1, 4), draw.randrange(1, 28)), draw.randrange(170, 200)),
                       (date(year - 1, draw.randrange(9, 12), draw.randrange(1, 28)), draw.randrange(170, 200)),
                       (date(year, draw.randrange(1, 13), draw.randrange(1, 28)), 1)):
        found.append(one("mammogram", made, made, mammograms=[made + timedelta(days)]))
    # About the 18th birthday, by somebody who still comes and is more than 38: 16, 17, 18, 19 and 20 at the exam.
    birth = date(today.year - 41, 6, draw.randrange(1, 28))
    for age in (16, 17, 18, 19, 20):
        found.append(one(kind, date(birth.year + age + 1, 2, draw.randrange(1, 28)), ago(1, 3), birth=birth))
    found.append(one(kind, date(birth.year + 17, 9, draw.randrange(1, 28)), ago(1, 3), birth=birth))
    found.append(one(kind, ago(30, 33), ago(30, 33), prior=ago(8, 12)))              # a prior_until that is long past
    found += [one(other, made, made) for other in ("US", "CR", "NM", "PT", "XA", "OT", "RF", "IO") for made in [ago(22, 26)]]
    # 29 February: of the exam, and of the birth.
    leap = date(today.year - today.year % 4 - 12, 2, 29)
    found += [one("mammogram", leap, leap), one("mammogram", date(leap.year + 4, 2, 29), ago(1, 3), mammograms=[ago(1, 3)]),
              one(kind, ago(22, 25), ago(1, 3), birth=date(leap.year - 44, 2, 29)),
              one(kind, date(leap.year - 15, 2, draw.randrange(1, 27)), ago(1, 3), birth=date(leap.year - 32, 2, 29))]
    return found


def _decided(exam, patient, today, grown=38, adult_too=(), choose=max, after=years_after, hold_today=None, childhood=timedelta(0),
             breast_from=lambda exam, patient: exam["date"], minor_from_exam=False, by_years=False, adult_days=None, adult_kinds=None,
             adult_years=20):
    """As MayItGo.solution, with one thing done otherwise."""
    if MayItGo.solution(exam, patient, hold_today or today) == "hold" or patient["birth_date"] is None:
        return MayItGo.solution(exam, patient, hold_today or today)
    minor = exam["date"] < after(patient["birth_date"], 18) + childhood
    if by_years:
        minor = exam["date"].year - patient["birth_date"].year < 18
    breast = exam["kind"] == "mammogram"
    days = [exam["prior_until"]] if exam["prior_until"] is not None else []
    if breast:
        days.append(after(breast_from(exam, patient), 5 if _later(exam, patient) else 10))
    if minor:
        days.append(after(exam["date"], 20) if minor_from_exam else after(patient["birth_date"], grown))
    adult = not breast and not minor and (adult_kinds is None or exam["kind"] in adult_kinds)
    if adult or minor and "minor" in adult_too or breast and "mammogram" in adult_too:
        days.append(patient["last_contact"] + timedelta(adult_days) if adult_days
                    else after(patient["last_contact"], adult_years))
    return "delete" if today >= choose(days) else "keep"


def _what_to_look_at(exam, patient, today):
    """What of a case decides, in sentences: those of its facts that the policy asks about."""
    if patient["holds"]:
        holds = ", ".join(f"{one['kind']} until {one['until'] or 'an unknown day'}" for one in patient["holds"])
        return f"Today is {today}; the holds of this patient: {holds}. If none is in force, the next steps decide."
    if patient["birth_date"] is None:
        return f"Today is {today}; this patient has no hold, and no birth date either: step 2 of the policy."
    facts = [f"Today is {today}; the exam is of {exam['date']}, its kind {exam['kind']}, the birth date {patient['birth_date']}",
             f"the last contact {patient['last_contact']}", f"`prior_until` {exam['prior_until'] or 'None'}"]
    if exam["kind"] == "mammogram":
        facts.append(f"the mammograms {', '.join(map(str, patient['mammograms']))}")
    return f"{', '.join(facts)}. No hold. Which rules apply, and which day does each of them give?"


@lesson.exercise
class SlowFirstImages:
    """"Since Wednesday the first image takes for ever." **At which viewer, and why?** And how bad is it, in the two numbers that a service
    level names?

    - `viewer`: `"WS_CH1"`, `"WS_ED1"`, `"WS_MG1"` or `"WEB"`;
    - `p50` and `p95`: median and 95th percentile of `first_ms` over **all** openings at that viewer, from either tier, in **seconds**,
      with two decimals;
    - `cause`: a letter.
        - **A**: The viewer asks once more for each image of the study, and each time the archive queries its database.
        - **B**: A query of this viewer reads a whole table, for an index is missing.
        - **C**: The line between archive and viewer is disturbed.
        - **D**: The studies that are opened lie on the nearline tier.
        - **E**: The studies that are opened at this viewer are larger than elsewhere.
    """

    answer = Fields("slow", {"viewer": Text(reading=viewer), "p50": Number(unit="s", tolerance=0.02),
                             "p95": Number(unit="s", tolerance=0.05), "cause": Text(reading=letter)},
                    remark=lambda *one: _about_first_images(*one))
    points = 3

    def solution(openings):
        by_viewer = openings.groupby("viewer")
        p50 = by_viewer["first_ms"].median() / 1000
        p95 = by_viewer["first_ms"].quantile(0.95) / 1000
        parts = by_viewer[["statements", "db_ms", "net_ms"]].median()
        worst = p95.idxmax()            # a look at p95 and at parts is enough; from here on that look is written out
        cause = "C"                     # the time goes on the network ...
        if parts["db_ms"][worst] > 2 * parts["db_ms"].min():
            cause = "B"                 # ... or in the database, with as many statements as elsewhere,
            if parts["statements"][worst] > 2 * parts["statements"].min():
                cause = "A"             # or with many more
        return {"viewer": worst, "p50": p50[worst], "p95": p95[worst], "cause": cause}

    def most_openings(openings):
        return {**SlowFirstImages.solution(openings), "viewer": "WEB"}

    def mean_for_median(openings):
        right = SlowFirstImages.solution(openings)
        return {**right, "p50": openings[openings["viewer"] == right["viewer"]]["first_ms"].mean() / 1000}

    def all_viewers(openings):
        right = SlowFirstImages.solution(openings)
        return {**right, "p50": openings["first_ms"].median() / 1000, "p95": openings["first_ms"].quantile(0.95) / 1000}

    def online_only(openings):
        right = SlowFirstImages.solution(openings)
        there = openings[(openings["viewer"] == right["viewer"]) & (openings["tier"] == "online")]["first_ms"] / 1000
        return {**right, "p50": there.median(), "p95": there.quantile(0.95)}

    def online_p95(openings):
        right = SlowFirstImages.solution(openings)
        return {**right, "p95": SlowFirstImages.online_only(openings)["p95"]}

    def swapped(openings):
        right = SlowFirstImages.solution(openings)
        return {**right, "p50": right["p95"], "p95": right["p50"]}

    def database_only(openings):
        right = SlowFirstImages.solution(openings)
        there = openings[openings["viewer"] == right["viewer"]]["db_ms"] / 1000
        return {**right, "p50": there.median(), "p95": there.quantile(0.95)}

    def nine_in_ten(openings):
        right = SlowFirstImages.solution(openings)
        return {**right, "p95": openings[openings["viewer"] == right["viewer"]]["first_ms"].quantile(0.9) / 1000}

    def two_standard_deviations(openings):
        right = SlowFirstImages.solution(openings)
        there = openings[openings["viewer"] == right["viewer"]]["first_ms"]
        return {**right, "p95": (there.mean() + 2 * there.std()) / 1000}

    def the_last_image(openings):
        right = SlowFirstImages.solution(openings)
        there = openings[openings["viewer"] == right["viewer"]]["seconds"]
        return {**right, "p50": there.median(), "p95": there.quantile(0.95)}

    def cold_tier(openings):
        return {**SlowFirstImages.solution(openings), "cause": "D"}

    def larger_studies(openings):
        return {**SlowFirstImages.solution(openings), "cause": "E"}

    def another_part(openings):
        right = SlowFirstImages.solution(openings)
        return {**right, "cause": {"A": "B", "B": "A", "C": "A"}[right["cause"]]}

    def a_third_part(openings):
        right = SlowFirstImages.solution(openings)
        return {**right, "cause": {"A": "C", "B": "C", "C": "B"}[right["cause"]]}

    wrong_ways = {
        most_openings: "At WEB most is opened, but a single opening is no slower there than it was on Tuesday. Compare the percentiles of "
        "the viewers, not how many rows each of them has.",
        mean_for_median: "Your `p50` is the mean. One opening in fifty waits a minute and a half for the nearline tier, and carries the "
        "mean far away from what most people see. The median is the middle one.",
        all_viewers: "Your percentiles are those of all viewers together: the quick ones hide the slow one. Keep the rows of one viewer "
        "first.",
        online_only: "Your percentiles are those of the openings from the online tier alone. Who waits for the nearline tier waits at "
        "that viewer, too: over **all** openings.",
        online_p95: "Your `p95` is that of the openings from the online tier alone. It is to be of **all** openings at that viewer, "
        "those of the nearline tier included.",
        swapped: "The two are swapped: `p50` is the median, within which half of all openings are served, and `p95` the larger one.",
        database_only: "That is `db_ms`, the time in the database alone. The reader waits until the first image is there: `first_ms`.",
        nine_in_ten: "Your `p95` is the 90th percentile. Asked is the 95th, `.quantile(0.95)`.",
        two_standard_deviations: "Your `p95` is the mean plus two standard deviations. That needs a bell curve, and waiting times have a "
        "long tail on one side. Take the percentile itself: `.quantile(0.95)`.",
        the_last_image: "You took `seconds`, the time until the last image was out. Asked is the first image, `first_ms`.",
        cold_tier: "The slowest single rows of the day do come from the nearline tier, but at every viewer they are only a few in a "
        "hundred. Leave them out, and this viewer is slow all the same. What is different in its rows from the online tier?",
        larger_studies: "Compare `images` of this viewer with those of the others: the studies are of the same sizes. Only what differs "
        "can be the cause.",
        another_part: "That cause would leave another pattern. Take the medians of `statements`, `db_ms`, `disk_ms` and `net_ms` by "
        "viewer: which of them stand out here? And are there more statements than elsewhere?",
        a_third_part: "The wait is not in the part of the time in which that cause would show. Compare `db_ms`, `disk_ms` and `net_ms` of "
        "this viewer with those of the others, and the number of `statements` too.",
    }
    hints = [
        '`openings.groupby("viewer")["first_ms"].quantile(0.95)` is the 95th percentile of each viewer, in milliseconds.',
        '`openings.groupby("viewer")[["images", "statements", "db_ms", "disk_ms", "net_ms"]].median()` shows what differs at that viewer.',
        "Much time in the database has two causes: many quick queries, whose number grows with the images, or a usual number of slow ones.",
    ]
    praise = "Now it is a ticket that the right people can work on: one viewer, one part of the time, two numbers before and, after " \
        "the repair, two numbers again. The median is what half of them wait at most, p95 what they complain about; a mean would have " \
        "mixed both with the few long waits for the nearline tier, which every viewer has."


def _about_first_images(name, given, right, input):
    """A sentence on a wrong entry of SlowFirstImages, or None."""
    if name == "viewer":
        return "There the first image does not take longer than elsewhere. Compare the 95th percentiles of the viewers."
    if name in ("p50", "p95"):
        if any(abs(number / 1000 - right[0]) < 0.05 for number in given):
            return "The unit of time is off: the column is in milliseconds, and seconds are asked."
        rows = input("openings")
        mean = rows[rows["viewer"] == SlowFirstImages.solution(rows)["viewer"]]["first_ms"].mean() / 1000
        if name == "p95" and any(abs(number - mean) <= 0.05 for number in given):
            return "It fits the mean. The 95th percentile is the time within which 95 of 100 openings were served: `.quantile(0.95)`."
        if any(abs(number - right[0]) <= 0.11 for number in given):
            return "It is near, but not it: two decimals are asked, of all openings at that viewer, from either tier."
        what = "the median" if name == "p50" else "`.quantile(0.95)`"
        return f"It is {what} of `first_ms` over all rows of the one viewer, from either tier, divided by 1,000."
    return None


@lesson.exercise
class PeakHour:
    """How much did the archive bear in the **busiest hour** of that Friday, the hour of the day with the most openings in `openings`? Two
    averages over that hour, from which the speed of the new archive is planned:

    - `in_flight`: how many openings were at work at the same time (one decimal or more). One lasts `seconds`, from the request to the
      last image, with any wait for the nearline tier in it. Count it whole to the hour in which it began, even if it ended in the next;
    - `mbit_s`: the throughput of that hour, in **Mbit/s**. 1 MB is 8 Mbit.
    """

    answer = Fields("peak", {"in_flight": Number(tolerance=0.06), "mbit_s": Number(unit="Mbit/s", tolerance=1)},
                    remark=lambda *one: _about_the_peak(*one))
    points = 2

    def solution(openings):
        busiest = openings["hour"].value_counts().idxmax()
        rows = openings[openings["hour"] == busiest]
        per_second = len(rows) / 3600
        return {"in_flight": per_second * rows["seconds"].mean(), "mbit_s": rows["mb"].sum() * 8 / 3600}

    def mean_of_the_day(openings):
        return {"in_flight": openings["seconds"].sum() / 86400, "mbit_s": openings["mb"].sum() * 8 / 86400}

    def mean_of_ten_hours(openings):
        return {"in_flight": openings["seconds"].sum() / 36000, "mbit_s": openings["mb"].sum() * 8 / 36000}

    def time_of_the_day(openings):
        right = PeakHour.solution(openings)
        count = openings["hour"].value_counts().max()
        return {**right, "in_flight": count / 3600 * openings["seconds"].mean()}

    def online_only(openings):
        peak = openings[openings["hour"] == openings["hour"].value_counts().idxmax()]
        peak = peak[peak["tier"] == "online"]
        return {"in_flight": len(peak) / 3600 * peak["seconds"].mean(), "mbit_s": peak["mb"].sum() * 8 / 3600}

    def turned_round(openings):
        right = PeakHour.solution(openings)
        return {"in_flight": right["mbit_s"], "mbit_s": right["in_flight"]}

    def median_time(openings):
        right = PeakHour.solution(openings)
        peak = openings[openings["hour"] == openings["hour"].value_counts().idxmax()]
        return {**right, "in_flight": len(peak) / 3600 * peak["seconds"].median()}

    def p95_time(openings):
        right = PeakHour.solution(openings)
        peak = openings[openings["hour"] == openings["hour"].value_counts().idxmax()]
        return {**right, "in_flight": len(peak) / 3600 * peak["seconds"].quantile(0.95)}

    def first_image_time(openings):
        right = PeakHour.solution(openings)
        peak = openings[openings["hour"] == openings["hour"].value_counts().idxmax()]
        return {**right, "in_flight": len(peak) / 3600 * peak["first_ms"].mean() / 1000}

    def openings_of_the_hour(openings):
        right = PeakHour.solution(openings)
        return {**right, "in_flight": openings["hour"].value_counts().max()}

    def kilobits(openings):
        right = PeakHour.solution(openings)
        return {**right, "mbit_s": 1000 * right["mbit_s"]}

    def binary_megabytes(openings):
        right = PeakHour.solution(openings)
        return {**right, "mbit_s": 1.048576 * right["mbit_s"]}

    def through_all_seconds(openings):
        right = PeakHour.solution(openings)
        peak = openings[openings["hour"] == openings["hour"].value_counts().idxmax()]
        return {**right, "mbit_s": peak["mb"].sum() * 8 / peak["seconds"].sum()}

    def per_minute(openings):
        right = PeakHour.solution(openings)
        return {**right, "in_flight": 60 * right["in_flight"]}

    def megabytes(openings):
        right = PeakHour.solution(openings)
        return {**right, "mbit_s": right["mbit_s"] / 8}

    def one_transfer(openings):
        right = PeakHour.solution(openings)
        peak = openings[openings["hour"] == openings["hour"].value_counts().idxmax()]
        return {**right, "mbit_s": (peak["mb"] * 8 / peak["seconds"]).mean()}

    wrong_ways = {
        mean_of_the_day: "You spread the day over 86,400 seconds, the quiet night included. The archive has to bear the busiest hour.",
        turned_round: "The two are swapped: your `in_flight` is the throughput in Mbit/s.",
        mean_of_ten_hours: "You spread the day over ten working hours. Within them, one hour is much busier than another: take the rows "
        "of the busiest one.",
        time_of_the_day: "The number of openings is that of the busiest hour, but the mean time is that of the whole day. In the busiest "
        "hour an opening takes longer than on the average of the day, and both belong to the same hour.",
        online_only: "You took the openings from the online tier alone. The archive served those from the nearline tier as well, and "
        "they were open for long: all rows of the hour.",
        median_time: "You multiplied with the median. Little's law holds for the **mean** time: the few long transfers occupy the archive "
        "for long, and the median does not see them.",
        openings_of_the_hour: "That is how many openings the hour had. Most of them were over long before the next began: asked is how "
        "many were at work at the same time.",
        kilobits: "Those are kilobits a second; asked are Mbit/s.",
        binary_megabytes: "You took a megabyte for 1024 x 1024 bytes. Here 1 MB is 8 Mbit, with nothing added.",
        through_all_seconds: "You divided by the seconds of all transfers together, as if they had run one after the other. They ran side "
        "by side, within 3,600 seconds.",
        p95_time: "You multiplied with the 95th percentile. Then nearly every transfer would be one of the longest. Little's law takes "
        "the mean.",
        first_image_time: "You took the time until the first image. The transfer goes on until the last one is out, and it is busy all "
        "that time: `seconds`.",
        per_minute: "That is sixty times too many: you counted the openings per minute and their time in seconds. Both need the same unit.",
        megabytes: "Those are megabytes a second. Lines are sold in megabits: 8 times as many.",
        one_transfer: "That is how fast a single transfer runs, on the average. Asked is what all of them moved in that hour, divided by "
        "the 3,600 seconds of it.",
    }
    hints = [
        '`openings["hour"].value_counts()` counts the openings of each hour, the most first.',
        'Keep its rows: `rows = openings[openings["hour"] == ...]`. Openings a second are `len(rows) / 3600`.',
        "in_flight: openings a second times the mean of `seconds`. mbit_s: the sum of `mb`, times 8, divided by 3,600.",
    ]
    praise = "Two averages of an hour: within it there are minutes with twice as many. So buy with headroom, and watch the queue, " \
        "which is what users feel. Little's law also works backwards: from associations open and openings a second you know how long " \
        "one takes."


def _about_the_peak(name, given, right, input):
    """A sentence on a wrong entry of PeakHour."""
    if name == "in_flight":
        if any(abs(number / right[0] / 3600 - 1) < 0.02 for number in given):
            return "It is 3,600 times too many. λ is how many openings come in a **second**, and an hour has 3,600 of them."
        return "Take the rows of the hour with the most openings. Openings a second, times the mean of their `seconds`."
    if any(abs(1000 * number / right[0] - 1) < 0.01 for number in given):
        return "The prefix is off: those are Gbit/s, and Mbit/s are asked."
    return "Take the same rows: the sum of `mb`, in megabits, divided by the 3,600 seconds of the hour."


@lesson.exercise
class RestoreInTime:
    """A fire in the machine room: near1 and the online tier are lost together. near1 is restored from the copy at Eastcliff on a spare
    array, at the pace of the last test. `recovery` has what is known. (What modalities still hold is not counted here.)

    - `hours`: how many hours until **all images** of near1 are back, those before the first byte included;
    - `loss_hours`: the copy job starts once a day. Its copy holds what was there when the job **started**, and can be used when it has
      **ended**. If the fire comes at the worst moment: how many hours of images are in no copy that can be used?
    - `days_first`: the restore goes from the newest images to the oldest. How many **days** of images, at today's `incoming_tb_a_day`,
      are back when the recovery time objective, 48 hours, is over?

    Round only at the end.
    """

    answer = Fields("restore", {"hours": Number(unit="h", tolerance=0.4), "loss_hours": Number(unit="h", tolerance=0.05),
                                "days_first": Number(unit="days", tolerance=6)}, remark=lambda *one: _about_a_restore(*one))
    points = 3

    def solution(recovery):
        tb_per_hour = recovery["test_tb"] / (recovery["test_minutes"] / 60)
        before = recovery["hours_before_first_byte"]
        hours = before + recovery["images_tb"] / tb_per_hour
        loss_hours = 24 + recovery["copy_job_hours"]
        days_first = (48 - before) * tb_per_hour / recovery["incoming_tb_a_day"]
        return {"hours": hours, "loss_hours": loss_hours, "days_first": days_first}

    def line_speed(recovery):
        right = RestoreInTime.solution(recovery)
        before = recovery["hours_before_first_byte"]
        return {**right, "hours": before + USED / 4.5, "days_first": (48 - before) * 4.5 / 0.1}

    def line_speed_alone(recovery):
        return {**RestoreInTime.solution(recovery), "hours": USED / 4.5}

    def line_speed_for_days(recovery):
        return {**RestoreInTime.solution(recovery), "days_first": (48 - recovery["hours_before_first_byte"]) * 4.5 / 0.1}

    def the_whole_store(recovery):
        right = RestoreInTime.solution(recovery)
        before = recovery["hours_before_first_byte"]
        return {**right, "hours": before + (right["hours"] - before) * CAPACITY / USED}

    def nothing_before(recovery):
        right = RestoreInTime.solution(recovery)
        before = recovery["hours_before_first_byte"]
        return {**right, "hours": right["hours"] - before, "days_first": right["days_first"] / (48 - before) * 48}

    def ten_gigabytes(recovery):
        right = RestoreInTime.solution(recovery)
        before = recovery["hours_before_first_byte"]
        return {**right, "hours": before + USED / 36, "days_first": (48 - before) * 36 / 0.1}

    def minutes_for_hours(recovery):
        right = RestoreInTime.solution(recovery)
        before = recovery["hours_before_first_byte"]
        return {**right, "hours": before + (right["hours"] - before) * 60, "days_first": right["days_first"] / 60}

    def up_to_the_limit(recovery):
        right = RestoreInTime.solution(recovery)
        before = recovery["hours_before_first_byte"]
        return {**right, "hours": before + (right["hours"] - before) * LIMIT / USED}

    def two_runs(recovery):
        return {**RestoreInTime.solution(recovery), "loss_hours": 24 + 2 * recovery["copy_job_hours"]}

    def terabytes_first(recovery):
        right = RestoreInTime.solution(recovery)
        return {**right, "days_first": right["days_first"] * recovery["incoming_tb_a_day"]}

    def once_a_day(recovery):
        return {**RestoreInTime.solution(recovery), "loss_hours": 24}

    def only_the_job(recovery):
        return {**RestoreInTime.solution(recovery), "loss_hours": recovery["copy_job_hours"]}

    def from_its_end(recovery):
        return {**RestoreInTime.solution(recovery), "loss_hours": 24 - recovery["copy_job_hours"]}

    def nothing_is_lost(recovery):
        return {**RestoreInTime.solution(recovery), "loss_hours": 0}

    def days_by_share(recovery):
        right = RestoreInTime.solution(recovery)
        return {**right, "days_first": 365 * 48 / right["hours"]}

    def all_hours_for_days(recovery):
        right = RestoreInTime.solution(recovery)
        before = recovery["hours_before_first_byte"]
        return {**right, "days_first": right["days_first"] / (48 - before) * 48}

    wrong_ways = {
        line_speed: "You reckoned with the 10 Gbit/s of the line. In the test it carried little more than half: protocol, small files, "
        "disks and checksums take their part. Only a restore that was tried tells the pace.",
        line_speed_alone: "That is what the line alone would need at its 10 Gbit/s. In the test it carried little more than half, and "
        "before the first byte some hours go by.",
        line_speed_for_days: "In `days_first` you reckoned with the 10 Gbit/s of the line. The pace is that of the test, as in `hours`.",
        the_whole_store: "You restored the size of the store, empty space included. Only the images that are on it come back.",
        nothing_before: "You left out the hours before the first byte. The spare array has to be connected and formatted before anything "
        "can be written on it: the clock of the objective runs all that time.",
        minutes_for_hours: "Your pace is in TB a minute, or `test_minutes` went in as if they were hours. The test took `test_minutes` / "
        "60 hours.",
        up_to_the_limit: "You restored 216 TB, the limit at which the house buys. What has to come back is what is on near1 now: "
        "`images_tb`.",
        ten_gigabytes: "You took 10 Gbit/s for 10 gigabytes a second. A byte has eight bits. And the test shows what the line really "
        "carries.",
        two_runs: "You counted the run of the job twice. The copy that can be used holds what was there when its job started; one day "
        "later the next job starts, and once it has ended there is a newer copy. From the one start to that end.",
        once_a_day: "A job a day does not mean at most 24 hours. Think of the worst moment: just before tonight's job has **ended**. Its "
        "copy cannot be used yet, and the one before holds what was there when that one started.",
        only_the_job: "You counted the run of the job only. Before it ran, a day of images had come that the copy before does not hold.",
        from_its_end: "You took the run of the job off. The copy holds what was there when it started, not when it ended; and until it "
        "has ended, it is of no use.",
        nothing_is_lost: "The copy is made by a job at night. What came since its last start is not in it.",
        days_by_share: "You took the share of the time as a share of a year. Go by TB: how many come back in the hours that are left for "
        "copying, and how many days brought so much?",
        terabytes_first: "Those are the TB that are back by then. How many days brought so much, at `incoming_tb_a_day`?",
        all_hours_for_days: "In `days_first` you copied for all 48 hours. Some of them are gone before the first byte.",
    }
    hints = [
        "The pace, from the test: TB restored / (minutes / 60), in TB an hour.",
        "loss_hours: draw a line with two nights. When does job 1 start and end, when job 2? Which copy can be used a minute before job "
        "2 ends, and whose images does it hold?",
        "days_first: (48 - the hours before the first byte) x pace are the TB that are back; divide by the TB of a day.",
    ]
    praise = "So two sentences go to the board. All images within 48 hours: not at the pace of the test, and what held that up is to be " \
        "found before anybody buys a second line. A loss of no more than 24 hours: not with one job a day. But with the newest first, " \
        "the readers have what they compare with in time. That is a decision, and not a technical detail."


def _about_a_restore(name, given, right, input):
    """A sentence on a wrong entry of RestoreInTime; None where the unit of time is off, which the number itself tells."""
    if any(abs(number / right[0] / factor - 1) < 0.001 for number in given for factor in (60, 1 / 60, 24, 1 / 24, 3600)):
        return None
    if name == "days_first" and any(abs(1000 * number - right[0]) <= 6 for number in given):
        return "It was read as a little more than one day: a point stands before decimals here. Write the thousands without it."
    return {
        "hours": "The hours before the first byte, and `images_tb` divided by the pace of the test in TB an hour. Round only at the end, "
                 "and not the pace.",
        "loss_hours": "Draw a line with two nights. At the worst moment the second job is just not yet ended: which copy can be used then, "
                      "and of when is it?",
        "days_first": "`hours` is right. Of the 48 hours those before the first byte are gone; the others times the pace are TB; and "
                      "`incoming_tb_a_day` came in each day."}[name]


class Verdicts(Table):
    """{object: verdict}, where a wrong verdict is told with what was found of that object."""

    def found(self, case, returned):
        """A sentence on the first wrong verdict of what was returned, or None."""
        right = {name.casefold(): (name, said) for name, said in Fixity.solution(*case).items()}
        for name, said in ((str(row[0]).strip().casefold(), row[1]) for row in returned.rows if len(row) == 2):
            word = word_of_a_table(str(said))
            if name in right and word != right[name][1]:
                name = right[name][0]
                noted, first, second = (f"`{one[name]}`" if name in one else "" for one in case)
                return (f"`{name}`: noted {noted or 'nothing'}, on the primary {first or 'no such file'}, on the replica "
                        f"{second or 'no such file'}. {short(said)} is not the verdict for that"
                        f"{'.' if word in VERDICTS else '; it is none of the five.'}")
        return None


VERDICTS = ("ok", "restore primary", "restore replica", "lost", "not in manifest")
class Audit(Function):
    """As Function; what was found of one object is told in place of three long dictionaries."""

    def _told(self, case, value):
        return f"The first that fails has {len({name for one in case for name in one})} names."


AUDIT = Verdicts("audit", entries=("object", "verdict"), reading={"verdict": word_of_a_table})


@lesson.exercise
class Fixity:
    """A fixity audit reads every object again and compares its checksum with the one that was noted on arrival. Write
    `audit(manifest, primary, replica)`.

    Each of the three is a dictionary from an object's name to a checksum: as noted on arrival, as found now on near1 (primary) and at
    Eastcliff (replica). A name that is missing in a copy: no such file there. **The manifest's checksums may be written in capitals**,
    those of the copies are in small letters; the same digits mean the same.

    Return a dictionary with an entry for **each name that occurs in any of the three**:

    - `"ok"`: both copies are as noted;
    - `"restore primary"`: the replica is as noted, the primary is not or is missing;
    - `"restore replica"`: the primary is as noted, the replica is not or is missing;
    - `"lost"`: no copy is as noted (only the tapes in the cupboard may still have it);
    - `"not in manifest"`: the name is not in the manifest: nobody can say what is right.
    """

    answer = Audit("audit", result=AUDIT, remark=AUDIT.found)
    points = 3

    def solution(manifest, primary, replica):
        result = {}
        for name in list(primary) + list(replica):
            result[name] = "not in manifest"
        for name in manifest:
            noted = manifest[name].lower()
            first = primary.get(name) == noted
            second = replica.get(name) == noted
            if first and second:
                result[name] = "ok"
            elif second:
                result[name] = "restore primary"
            elif first:
                result[name] = "restore replica"
            else:
                result[name] = "lost"
        return result

    def copies_with_each_other(manifest, primary, replica):
        return _audited(manifest, primary, replica, lambda noted, first, second: "ok" if first is not None and first == second else
                        _verdict(noted, first, second))

    def copies_agree_on_nothing(manifest, primary, replica):
        return _audited(manifest, primary, replica, lambda noted, first, second: "ok" if first == second else
                        _verdict(noted, first, second))

    def never_lost(manifest, primary, replica):
        return {name: "restore primary" if said == "lost" else said for name, said in Fixity.solution(manifest, primary, replica).items()}

    def the_primary_is_right(manifest, primary, replica):
        return _audited(manifest, primary, replica, lambda noted, first, second: "ok" if first == second == noted else
                        "restore replica" if first is not None else _verdict(noted, first, second))

    def there_or_not(manifest, primary, replica):
        return _audited(manifest, primary, replica, lambda noted, first, second: _verdict(
            noted, first and noted, second and noted))

    def capitals_differ(manifest, primary, replica):
        return {name: Fixity.solution(manifest, primary, replica)[name] if name not in manifest or manifest[name] == manifest[name].lower()
                else "lost" for name in Fixity.solution(manifest, primary, replica)}

    def capitals_for_all(manifest, primary, replica):
        return _audited({name: noted.upper() for name, noted in manifest.items()}, primary, replica, _verdict, small=False)

    def strays_of_the_primary(manifest, primary, replica):
        said = Fixity.solution(manifest, primary, replica)
        return {name: said[name] for name in said if name in manifest or name in replica}

    def strays_of_the_replica(manifest, primary, replica):
        said = Fixity.solution(manifest, primary, replica)
        return {name: said[name] for name in said if name in manifest or name in primary}

    def only_what_the_manifest_has(manifest, primary, replica):
        return {name: said for name, said in Fixity.solution(manifest, primary, replica).items() if name in manifest}

    def only_what_the_primary_has(manifest, primary, replica):
        return {name: said for name, said in Fixity.solution(manifest, primary, replica).items() if name in primary}

    def missing_is_lost(manifest, primary, replica):
        return _audited(manifest, primary, replica, lambda noted, first, second: "lost" if first is None or second is None else
                        _verdict(noted, first, second))

    def restored_from_the_bad_one(manifest, primary, replica):
        turned = {"restore primary": "restore replica", "restore replica": "restore primary"}
        return {name: turned.get(said, said) for name, said in Fixity.solution(manifest, primary, replica).items()}

    def one_good_copy_is_ok(manifest, primary, replica):
        return {name: "ok" if said.startswith("restore") else said for name, said in Fixity.solution(manifest, primary, replica).items()}

    def strangers_are_lost(manifest, primary, replica):
        return {name: "lost" if said == "not in manifest" else said for name, said in Fixity.solution(manifest, primary, replica).items()}

    wrong_ways = {
        copies_with_each_other: "You call two copies good when they are equal. Replication has copied the damage too: equal and wrong is "
        "wrong. Only the checksum noted on arrival decides.",
        copies_agree_on_nothing: "You call it good when both copies are the same: equal and wrong is wrong, and where **both** are "
        "missing they are the same as well. Only the checksum noted on arrival decides.",
        never_lost: "You never report anything lost. Where neither copy is as noted, there is nothing to restore from: writing the one "
        "over the other would only hide it.",
        the_primary_is_right: "You take the primary for the truth and write it over the replica, also when the primary is the damaged "
        "one. So the last good copy goes.",
        there_or_not: "You look whether a file is there, not what is in it. A file whose bits have turned still has its name and its size.",
        capitals_differ: "You report every object lost whose checksum the manifest has in capitals. Hexadecimal digits mean the same in "
        "either case: `.lower()` before you compare.",
        capitals_for_all: "You turn the manifest's checksums into capitals, and those of the copies are in small letters: nearly all is "
        "lost in your answer. `.lower()` makes small letters.",
        strays_of_the_primary: "Names that only the primary has are missing in your answer. Something wrote there and told nobody, neither "
        "the manifest nor Eastcliff; it belongs in the report.",
        strays_of_the_replica: "Names that only the replica has are missing in your answer. Either they were deleted at the primary and in "
        "the manifest, or something wrote at Eastcliff alone; they belong in the report.",
        only_what_the_manifest_has: "Names that are in a copy, but not in the manifest, are missing in your answer. Something wrote there "
        "and told nobody; it belongs in the report.",
        only_what_the_primary_has: "You go through the names of the primary only. What is gone from there altogether you never notice, "
        "and just that is the case for which there is a replica.",
        missing_is_lost: "You call an object lost as soon as one copy is missing. If the other one is as noted, it can be restored from "
        "it.",
        restored_from_the_bad_one: "The direction is turned round: *restore primary* means that the primary is written anew, from a "
        "replica that is as noted.",
        one_good_copy_is_ok: "One good copy is enough for you. It is enough to restore the other, and that is why it has to be reported: "
        "today there is no second one.",
        strangers_are_lost: "You call lost what the manifest does not know. Lost is what was noted and cannot be had any more.",
    }
    hints = [
        "First all names of both copies with `\"not in manifest\"`; then go through the manifest and write over what it knows.",
        '`primary.get(name)` is the checksum, or `None` where the file is missing. `manifest[name].lower()` writes capitals small.',
        "Two questions for each name of the manifest: is the primary as noted? Is the replica? Four combinations, four verdicts.",
    ]
    praise = "The smallest set that has to be written anew, and from which side. Run it in slices, so that every object is read once " \
        "in a few months, and let no job heal anything that this list does not name."

    def cases(draw):
        found = []
        for number in range(9):
            manifest, primary, replica = {}, {}, {}
            for place in range(draw.randrange(8, 13) if number else 12):
                name = f"HV{draw.randrange(100000, 999999)}/{place + 1:04d}.dcm"
                noted, other = (f"{draw.randrange(16**11, 16**12):012x}" for _ in range(2))
                if draw.randrange(2) == 0:                         # one digit differs, the first or the last
                    at = draw.choice((0, -1))
                    turned = "1" if noted[at] != "1" else "2"
                    other = turned + noted[1:] if at == 0 else noted[:-1] + turned
                kind = draw.randrange(12) if number else place             # the first case has one of each kind
                manifest[name] = noted.upper() if draw.randrange(3) == 0 else noted
                primary[name], replica[name] = noted, noted
                if kind == 1:
                    primary[name] = other
                elif kind == 2:
                    replica[name] = other
                elif kind == 3:
                    del primary[name]
                elif kind == 4:
                    del replica[name]
                elif kind == 5:
                    primary[name] = replica[name] = other
                elif kind == 6:
                    del primary[name], replica[name]
                elif kind == 7:
                    del primary[name]
                    replica[name] = other
                elif kind == 8:
                    del manifest[name]
                elif kind == 9:
                    del manifest[name], primary[name]
                elif kind == 10:
                    primary[name], replica[name] = other, other[::-1]
                elif kind == 11:
                    del manifest[name], replica[name]
            found.append((manifest, primary, replica))
        return found


def _verdict(noted, first, second):
    """The verdict on an object: as noted, as found on the primary and on the replica (None: missing)."""
    return {(True, True): "ok", (False, True): "restore primary", (True, False): "restore replica",
            (False, False): "lost"}[first == noted, second == noted]


def _audited(manifest, primary, replica, judge, small=True):
    """{object: verdict}; `judge` says it of what the manifest knows, whose checksums are written small first."""
    noted = {name: checksum.lower() if small else checksum for name, checksum in manifest.items()}
    return {name: judge(noted[name], primary.get(name), replica.get(name)) if name in noted else "not in manifest"
            for name in [*primary, *replica, *manifest]}


@lesson.exercise
class TieringPolicy:
    """Write the tiering policy. For each group: how many **days** after the exam a study stays on the fast tier (`"fast_days"`), and how
    many **years** after the exam it goes from the near tier to the deep one (`"near_years"`). It is good enough if in the past year and in
    the **coming year**

    - **hit**: at least 95 % of all openings find the first image on the fast tier, and at least 88 % in **each** group;
    - **deep**: at most 1.5 % of the openings of each group need the deep tier, where the first image takes hours. (This share strays most
      from year to year and from hospital to hospital; half of the limit is a good reserve, and it is cheap.)
    - **cost**: it costs at most **48 thousand euros** a year.

    `past_year.replay(policy)` tells what would have come of it in the past year, as often as you like. **You do not see the coming
    year.** It will not be the same: there will be 4 % more exams, screening is behind, so that women come back later, and chance has its
    part. (Tomosynthesis and the collections that join are left out here.) The check replays your policy on it, and on
    the two years of other hospitals that work like yours. So leave some reserve, but not so much that it exceeds the budget.
    """

    answer = Config("policy", reading=policy_of, called="a policy", shape="a dictionary with an entry for each group", unseen=(
        "Good for the hospital that you see, but not for another that works in the same way. What follows is of that one. "), template=(
        'policy = {\n    "CT": {"fast_days": ..., "near_years": ...},\n    "mammography": {"fast_days": ..., "near_years": ...},\n'
        '    "ultrasound": {"fast_days": ..., "near_years": ...},\n    "radiographs": {"fast_days": ..., "near_years": ...},\n'
        '    "MR": {"fast_days": ..., "near_years": ...},\n}'))
    points = 5

    def solution():
        return {
            "CT": {"fast_days": 210, "near_years": 4},
            "mammography": {"fast_days": 860, "near_years": 6},
            "ultrasound": {"fast_days": 150, "near_years": 4},
            "radiographs": {"fast_days": 800, "near_years": 6},
            "MR": {"fast_days": 450, "near_years": 5},
        }

    def a_year_for_all():
        return {group: {"fast_days": 365, "near_years": 7} for group in GROUPS}

    def three_months_for_all():
        return {group: {"fast_days": 90, "near_years": 7} for group in GROUPS}

    def all_of_three_years():
        return {group: {"fast_days": 1095, "near_years": 7} for group in GROUPS}

    def no_deep_tier():
        return {group: {**tiers, "near_years": KEPT_YEARS} for group, tiers in TieringPolicy.solution().items()}

    def deep_after_two_years():
        return {group: {**tiers, "near_years": 2 if tiers["fast_days"] < 700 else 3} for group, tiers in TieringPolicy.solution().items()}

    def mammograms_paid_by_the_rest():
        return {group: {"fast_days": 60 if group == "mammography" else 2 * tiers["fast_days"], "near_years": tiers["near_years"]}
                for group, tiers in TieringPolicy.solution().items()}

    def just_enough_for_the_past(past_year):
        return {group: {"fast_days": days, "near_years": years} for group, (days, years) in past_year.cheapest().items()}

    def the_largest_longest():
        days = {"CT": 900, "mammography": 800, "ultrasound": 365, "radiographs": 120, "MR": 60}
        return {group: {"fast_days": days[group], "near_years": 7} for group in GROUPS}

    wrong_ways = {
        a_year_for_all: "One number for all. Screening comes back after two years, and finds its priors gone from the fast tier; CT and "
        "ultrasound pay for months in which hardly anybody opens them. Look at the curve of each group.",
        three_months_for_all: "Three months for all are too few for nearly everything, and for mammograms above all. `hit_ratio(group, "
        "days)` shows where each curve gets flat.",
        all_of_three_years: "Everything stays three years: every limit of time is kept, and the budget is gone. What does another year on "
        "the fast tier bring for CT, and what does it cost?",
        no_deep_tier: "Nothing ever goes to the deep tier: studies that one opening in a thousand asks for lie on disks at five times the "
        "price.",
        deep_after_two_years: "After two or three years all goes to the deep tier. Older priors are still opened, and then somebody waits "
        "for hours.",
        mammograms_paid_by_the_rest: "The total looks as if it could be bought with longer times elsewhere, but for mammograms about one "
        "opening in three waits. That limit holds for each group: an average does not make up for it.",
        just_enough_for_the_past: "That is just enough for the past year, to the last tenth: it learnt that year by heart. The coming one "
        "is a little different, and it falls short. Leave some reserve where it is cheap.",
        the_largest_longest: "You keep the largest group longest on the fast tier. It is the one where each day costs most. Radiographs "
        "and MR are light, and are opened for long: a year there costs less than a few weeks of CT.",
    }
    hints = [
        'Look at one group at a time: `past_year.hit_ratio("MR", 60)`. Where does another hundred days bring hardly anything?',
        "A group that is light (few TB a year) and opened for long is cheap to serve: give it years. A heavy one that is opened early "
        "only needs weeks or some months.",
        "Mammograms come back with the next screening round, after two years and a little. Either that round is on the fast tier or the "
        "group fails its 88 %.",
        "near_years: the fewest for which the deep share stays at about half of 1.5 %. A year more is cheap.",
    ]
    praise = "A policy that holds for a year that you did not see, at a price that you can defend. Write the replay into the calendar: " \
        "protocols and screening rounds change, and the policy is as old as the log that it was made from."

    def trial(settings, hospital):
        return {name: lesson.input_of(name, hospital).outcome(settings) for name in ("past_year", "coming_year")}

    def faults(outcome):
        return _faults_of_the_past(outcome["past_year"]) or _faults_of_the_coming(outcome["coming_year"])


def _faults_of_the_past(outcome):
    """What a replay on the past year shows the learner as well, in sentences."""
    found = []
    worst = min(outcome["groups"], key=outcome["groups"].get)
    deepest = max(outcome["deep"], key=outcome["deep"].get)
    already = "In the past year"
    if outcome["groups"][worst] < WANTED["group"]:
        found.append(f"{already} only {outcome['groups'][worst]:.1f} % of the openings of {worst} would have found the first image on the "
                     f"fast tier; {WANTED['group']} % are wanted in each group.")
    if outcome["hit"] < WANTED["hit"]:
        found.append(f"{already} {outcome['hit']:.2f} % of all openings would have found the first image on the fast tier; "
                     f"{WANTED['hit']} % are wanted. The weakest group is {worst}, but the cheapest hits may be elsewhere.")
    if outcome["deep"][deepest] > WANTED["deep"]:
        found.append(f"{already} {outcome['deep'][deepest]:.1f} % of the openings of {deepest} would have waited for the deep tier; "
                     f"{WANTED['deep']} % are the most that is allowed.")
    if outcome["cost"] > BUDGET:
        found.append(f"{already} it would have cost {outcome['cost']:.1f} thousand euros, and the budget is {BUDGET:.0f}. "
                     + _what_is_dear(outcome))
    return found


def _faults_of_the_coming(outcome):
    """What is not good enough in the coming year, in sentences: how much is missing is told roughly, so that nobody can fit that year."""
    found = []
    worst = min(outcome["groups"], key=outcome["groups"].get)
    deepest = max(outcome["deep"], key=outcome["deep"].get)
    if outcome["groups"][worst] < WANTED["group"]:
        found.append(f"For the past year it is good enough. But in the coming year {worst} falls "
                     f"{_by(WANTED['group'] - outcome['groups'][worst])} the {WANTED['group']} % of each group: the reserve of days is too "
                     "small there.")
    if outcome["hit"] < WANTED["hit"]:
        found.append(f"For the past year it is good enough. But in the coming year all openings together fall "
                     f"{_by(WANTED['hit'] - outcome['hit'])} the {WANTED['hit']} % of hits: leave more reserve, where it is cheap.")
    if outcome["deep"][deepest] > WANTED["deep"]:
        found.append(f"For the past year it is good enough. But in the coming year too many openings of {deepest} wait for the deep tier. "
                     "Leave more reserve in its `near_years`.")
    if outcome["cost"] > BUDGET:
        found.append("For the past year it is good enough. But in the coming year there are 4 % more exams, and the budget is exceeded. "
                     + _what_is_dear(outcome))
    return found


def _what_is_dear(outcome):
    """Where a policy beyond the budget may save: on the near tier, on the fast one, or on both."""
    years = "`near_years` are more than the deep tier's limit needs, even with half of it as a reserve: for which groups?"
    days = "Which group's days on the fast tier are dear and bring few hits?"
    if outcome["spare"] >= outcome["cost"] - BUDGET:
        return f"Some {years}"
    return f"{days} And some {years}" if outcome["spare"] >= 1 else days


def _by(missing):
    return "just short of" if missing < 1 else "short of" if missing < 5 else "far short of"
