"""Reject analysis: the exercises of lesson cpsa-02."""

import csv
import datetime
import functools
import io
import itertools
import math
import re
import statistics
import sys
from collections import Counter

import numpy as np

from coursekit.checking import Config, Fields, Function, Lesson, Number, Outcome, Set, Table, Text, Verdict
from coursekit.checking.reading import Unclear, Unreadable, is_library, plain
from coursekit.errors import CourseError
from coursekit.hospital.draws import Draws

lesson = Lesson(
    "cpsa-02",
    title="Reject analysis",
    version=1,
    minutes=120,
    objectives=[
        "turn the reject logs of three vendors into one table, and compute the rate that AAPM Report 305 means",
        "tell chance from difference: intervals for small numbers, funnel plot, control chart with a season, case mix",
        "write the policy by which a department acts, and try it on quarters of which the truth is known",
    ],
    covers=["perform QC audits such as CR reject analysis"],
    needs=["cpas-06"],
)

ROOMS = {"helio": "DX_CH1", "orbis": "CR_ER1", "marlin": "MG1"}
GENERAL = ("DX_CH1", "CR_ER1")
# What each vendor writes, and what the hospital calls it. helio: its whole text; orbis: its code; marlin: how a word of its free text
# begins.
VOCABULARY = {
    "helio": {
        "positioning": "positioning", "clipped anatomy": "anatomy cut off", "under/overexposed": "exposure", "patient motion": "motion",
        "artifact": "artefact", "equipment failure": "equipment", "wrong patient data": "patient identification", "test": "test",
    },
    "orbis": {
        "11": "positioning", "12": "anatomy cut off", "21": "exposure", "31": "motion", "41": "artefact", "42": "equipment",
        "51": "patient identification", "90": "test",
    },
    "marlin": {
        "pos": "positioning", "nipple": "positioning", "pnl": "positioning", "cut": "anatomy cut off", "axilla": "anatomy cut off",
        "exp": "exposure", "underexp": "exposure", "overexp": "exposure", "light": "exposure", "aec": "exposure", "mov": "motion",
        "motion": "motion", "hair": "artefact", "artefact": "artefact", "artifact": "artefact", "paddle": "equipment",
        "generator": "equipment", "name": "patient identification", "pat.": "patient identification", "ident": "patient identification",
        "qc": "test", "flat": "test", "test": "test",
    },
}


# --- inputs

@lesson.input
def reject_logs(hospital):
    """The three vendors' exports of the last 90 days as their files are: {vendor: CSV text}."""
    return {vendor: hospital.logs.rejects(vendor) for vendor in ROOMS}


@lesson.input
def vocabulary(hospital):
    """VOCABULARY: {vendor: {what it writes, in small letters: the hospital's reason}}."""
    return {vendor: dict(words) for vendor, words in VOCABULARY.items()}


@lesson.input
def log(hospital):
    """The three exports as one table of what was not accepted: room, technologist, body_part, action, reason, ei (where one is told)."""
    import pandas

    found = []
    for vendor, text in lesson.input_of("reject_logs", hospital).items():
        delimiter = {"helio": ";", "orbis": ",", "marlin": "\t"}[vendor]
        for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter):
            if vendor == "helio" and row["Status"] == "REJECTED":
                found.append((row["Operator"], row["BodyPart"], "reject", SiteReason.solution(vendor, row["Reason"]), float(row["EI"])))
            elif vendor == "orbis":
                found.append((row["User"], row["Region"], "reject", SiteReason.solution(vendor, row["Code"]), math.nan))
            elif vendor == "marlin":
                part = "PHANTOM" if row["view"] == "TEST" else "BREAST"
                found.append((row["operator"], part, row["action"].lower(), SiteReason.solution(vendor, row["comment"]), float(row["EI"])))
            else:
                continue
            found[-1] = (ROOMS[vendor], *found[-1])
    return pandas.DataFrame(found, columns=["room", "technologist", "body_part", "action", "reason", "ei"])


ARCHIVE_SQL = """SELECT r.station_aet AS room, SUM(r.n_instances) AS images
FROM series r JOIN study s ON s.pk = r.study_pk
WHERE r.station_aet IN ('DX_CH1', 'CR_ER1', 'MG1') AND r.modality IN ('DX', 'CR', 'MG')
  AND r.created_utc >= '2025-01-07 05:30:00'
GROUP BY r.station_aet ORDER BY r.station_aet"""


@lesson.input
def archive_sql(hospital):
    """The query that counts what the archive received from each room since the logs begin."""
    return ARCHIVE_SQL


@lesson.input
def archive_images(hospital):
    """Images that the archive received from each room in the 90 days of the logs: room, images."""
    return hospital.pacs.sql(ARCHIVE_SQL)


@lesson.input
def notes(hospital):
    """Images that a key object selection of these 90 days names: utc, code, meaning, room, sop_uid."""
    import pandas

    return pandas.DataFrame(hospital.logs.rejection_notes, columns=["utc", "code", "meaning", "room", "sop_uid"])


@lesson.input
def by_exam(hospital):
    """Who made and rejected how much of what in the two rooms of general radiography: technologist, body_part, exposures, rejects.

    From the RIS, which knows who performed each exam, joined with the logs; without tests.
    """
    import pandas

    found = [(one.user_id, one.body_part, 1, int(not one.kept)) for one in hospital.logs.exposures
             if one.device in GENERAL and one.reason != "test"]
    table = pandas.DataFrame(found, columns=["technologist", "body_part", "exposures", "rejects"])
    return table.groupby(["technologist", "body_part"], as_index=False).sum()


@lesson.input
def technologists(hospital):
    """The same, all exams together: a list of (technologist, exposures, rejects)."""
    table = lesson.input_of("by_exam", hospital).groupby("technologist")[["exposures", "rejects"]].sum()
    return [(name, int(exposures), int(rejects)) for name, exposures, rejects in table.itertuples()]


@lesson.input
def exam_intervals(hospital):
    """Shares rejected by body part with their 95 % intervals: a list of (body part, low, share, high, exposures), the highest first."""
    sums = lesson.input_of("by_exam", hospital).groupby("body_part")[["exposures", "rejects"]].sum()
    rows = []
    for part, n, x in sums.itertuples():
        low, high = WilsonInterval.solution(x, n)
        rows.append((part, low, x / n, high, int(n)))
    return sorted(rows, key=lambda row: -row[2])


@lesson.input
def last_year(hospital):
    """The department of which the truth is known, in 2024, by letters: technologist, body_part, exposures, rejects.

    A makes the hips and spines, B rejects nearly twice as much as others with the same exams.
    """
    import pandas

    made = lesson.input_of("department", hospital)
    first = made.pair()
    names = first + [name for name in sorted(made.people) if name not in first]
    rows = []
    for letter, name in zip(LETTERS, names, strict=False):
        for part in USUAL:
            rows.append((letter, part, *(sum(quarter[part][side] for quarter in made.counts[name][8:]) for side in (0, 1))))
    return pandas.DataFrame([row for row in rows if row[2]], columns=["technologist", "body_part", "exposures", "rejects"])


@lesson.input
def ratios(hospital):
    """Own rate out of the department's (`crude`), and observed out of expected rejects (`standardised`), by technologist."""
    return _both_ratios(lesson.input_of("by_exam", hospital))


@lesson.input
def last_year_ratios(hospital):
    """The same of the department in 2024, by letters."""
    return _both_ratios(lesson.input_of("last_year", hospital))


def _both_ratios(table):
    import pandas

    crude, standardised = CaseMix.crude(table), _ratios(table)
    rows = [(name, int(n), int(x), round(crude[name], 2), round(standardised[name], 2)) for name, (n, x) in _totals(table)[0].items()]
    return pandas.DataFrame(rows, columns=["technologist", "exposures", "rejects", "crude", "standardised"])


@lesson.input
def returns(hospital):
    """What CR_ER1 returned to the committee each month, 2022 to 2024: month ("2024-03"), exposures, rejects; without tests."""
    import pandas

    return pandas.DataFrame(hospital.logs.reject_returns, columns=["month", "exposures", "rejects"])


@lesson.input
def department(hospital):
    """The department's quarters 2022 to 2024, of which the truth is known by now: a Department."""
    return Department(hospital.seed)


# --- the department of which the truth is known

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
QUARTERS = [f"{year}-Q{quarter}" for year in (2022, 2023, 2024) for quarter in (1, 2, 3, 4)]
USUAL = {"CHEST": (70, 90), "EXTREMITY": (80, 100), "HIP": (180, 220), "SPINE": (180, 220)}      # true rates in permille: from, to
MIXES = {"usual": (40, 40, 10, 10), "easy": (48, 48, 2, 2), "hard": (10, 10, 40, 40)}   # percent of a person's exams
LIMIT = 3                                                                           # quarters until something must have been done
ELSEWHERE = 200                                                                     # departments beside one's own
ACCUSED, FOUND = 10, 95          # allowed: false accusations in a hundred departments; asked: found in time, of a hundred to be found
# kind: (how many, mix, exposures a quarter, share of the usual rejects in permille, what was found)
KINDS = {
    "high": (1, "usual", (170, 210), 2200, "rejects more than twice as much as others with the same exams"),
    "hidden": (1, "easy", (190, 210), 1780, "makes easy exams, and rejects nearly twice as much as others do of these"),
    "silent": (1, "usual", (170, 200), 60, "deletes at the console, and records hardly a reject"),
    "part time": (1, "usual", (52, 56), 0, "works two days a week, and records no reject"),
    "hard": (2, "hard", (170, 200), 1000, "makes the hips and spines"),
    "stand-in": (3, "usual", (8, 11), 1000, "stands in on some nights: few exposures, and one restless patient is enough"),
    "ordinary": (15, "usual", (120, 220), 1000, "works as others do; it was chance"),
}
TRUTH = {"high": "high", "hidden": "high", "silent": "low", "part time": "low"}
PEOPLE = [kind for kind, (many, *_) in KINDS.items() for _ in range(many)]           # the kind of each one, in the order of the counts
RESTLESS = 250                   # permille of a stand-in's quarters in which one patient gives three or four rejects more


SIZES = np.array([KINDS[kind][2] for kind in PEOPLE]).T.repeat(len(QUARTERS), axis=1)
SHARES = np.array([MIXES[KINDS[kind][1]] for kind in PEOPLE])[:, None, :]
FACTORS = np.array([KINDS[kind][3] for kind in PEOPLE])[:, None]
IN_TRUTH = np.array([kind in TRUTH for kind in PEOPLE])[:, None]
RARE = [place for place, kind in enumerate(PEOPLE) if kind == "stand-in"]
RATES = np.array(list(USUAL.values())).T


def drawn(seed, room, many=1):
    """The counts of so many departments: (exposures, rejects, begins).

    exposures, rejects : arrays by department, person (in the order of PEOPLE), quarter and exam
    begins             : the index of the quarter in which it began, by department and person; it counts for those who are in TRUTH

    Each exposure is a throw of its own: it is rejected with the true rate of its exam in this department, the same for all people and
    quarters. So the counts of the innocent are binomial, and vary as chance does. Whoever is in TRUTH has another rate from a quarter on.
    """
    draws = Draws(seed, room)
    shape = (many, len(PEOPLE), len(QUARTERS), len(USUAL))
    sizes = draws.between(*np.tile(SIZES, many), many * SIZES.shape[1]).reshape(*shape[:3], 1)
    exposures = (sizes * SHARES + 50) // 100                                    # at least one of each exam, in every quarter
    usual = draws.between(*np.tile(RATES, many), many * shape[3]).reshape(many, 1, 1, -1)
    begins = draws.between(4, 7, many * shape[1]).reshape(shape[:2])
    begun = IN_TRUTH & (np.arange(shape[2]) >= begins[:, :, None])
    below = (np.where(begun, FACTORS, 1000)[..., None] * usual * 65536 + 500_000) // 1_000_000      # the true rates, in parts of 65,536
    below = below.astype(np.uint16)
    rejects = np.empty(shape, dtype=np.int32)
    for one in range(many):                                                      # one after the other, which stays in the processor's cache
        each = exposures[one].ravel()
        ends = each.cumsum()
        throws = draws.raw(-(-int(ends[-1]) // 4)).astype("<u8", copy=False).view("<u2")[:ends[-1]]
        hits = throws < below[one].ravel().repeat(each)
        rejects[one] = np.add.reduceat(hits.view(np.int8), ends - each, dtype=np.int32).reshape(shape[1:])
    restless = (many, len(RARE), shape[2])
    more = np.where(draws.happens(RESTLESS, math.prod(restless)), draws.between(3, 4, math.prod(restless)), 0).reshape(restless)
    for exam in (1, 0):                                                          # the restless patient's extremities, then the chest
        here = np.minimum(more, (exposures - rejects)[:, RARE, :, exam].reshape(restless))
        rejects[:, RARE, :, exam] += here.reshape(rejects[:, RARE, :, exam].shape).astype(np.int32)
        more = more - here
    return exposures.astype(np.int32), rejects, begins


class Department:
    """Twenty-four technologists over twelve quarters, with counts by exam, and what was the matter with each, as later talks showed.

    seed   : the hospital's
    number : 0 for the one that is shown, which is drawn until part 5 can be told with it; others are taken as they are drawn

    people : {name: (kind, index of the quarter in which it began, or None)}
    counts : {name: a list by quarter of {body part: (exposures, rejects)}}
    """

    def __init__(self, seed, number=0):
        self._seed = seed
        order = np.argsort(Draws(seed, f"reject policy names {number}").raw(len(PEOPLE)), kind="stable")
        self._names = [f"T{1 + one:02d}" for one in order.tolist()]
        for attempt in itertools.count():
            self.arrays = drawn(seed, f"reject policy {number} {attempt}")
            begins = self.arrays[2][0].tolist()
            self.people = {name: (kind, begin if kind in TRUTH else None)
                           for name, kind, begin in sorted(zip(self._names, PEOPLE, begins, strict=True))}
            if number or self._is_a_paradox():
                break
        exposures, rejects = (array[0].tolist() for array in self.arrays[:2])
        self.counts = {name: [dict(zip(USUAL, zip(*both, strict=True), strict=True)) for both in zip(made, broken, strict=True)]
                       for name, made, broken in sorted(zip(self._names, exposures, rejects, strict=True))}

    def __repr__(self):
        return f"<{len(self.people)} technologists, {QUARTERS[0]} to {QUARTERS[-1]}; table(), replay(policy), elsewhere(policy)>"

    def pair(self):
        """Those who are A and B in part 5: the first who makes the hips and spines, and the one who makes easy exams."""
        return [min(name for name, (kind, _) in self.people.items() if kind == wanted) for wanted in ("hard", "hidden")]

    def _is_a_paradox(self):
        """Whether in the last year A, with hips and spines, rejects fewer of each exam than B, but more of all.

        And whether A is then about as expected, and B about as far from it as it truly is.
        """
        made, broken = (array[0, :, 8:].sum(axis=1) for array in self.arrays[:2])
        a, b = (self._names.index(name) for name in self.pair())
        crude = broken.sum(axis=1) / made.sum(axis=1)
        ratio = broken.sum(axis=1) / (made * (broken.sum(axis=0) / made.sum(axis=0))).sum(axis=1)
        each = broken[[a, b]] / made[[a, b]]
        return bool((each[0] < each[1] - 0.01).all() and crude[a] > crude[b] + 0.008 and 0.88 < ratio[a] < 1.08 and 1.5 < ratio[b] < 1.8)

    def table(self):
        """The counts as a DataFrame: quarter, technologist, body_part, exposures, rejects."""
        import pandas

        return pandas.DataFrame([(QUARTERS[place], name, exam, *both) for name, quarters in self.counts.items()
                                 for place, quarter in enumerate(quarters) for exam, both in quarter.items() if both[0]],
                                columns=["quarter", "technologist", "body_part", "exposures", "rejects"])

    def replay(self, policy):
        """What would have come of a policy, a dictionary: a Replay."""
        return Replay(run_policy(self.arrays, _usable(policy), self._names))

    def elsewhere(self, policy):
        """What would have come of a policy in two hundred other departments: a Rehearsal."""
        return Rehearsal(run_policy(others(self._seed), _usable(policy)))


@functools.lru_cache(maxsize=16)
def others(seed):
    """The departments elsewhere, as `drawn` gives them."""
    return drawn(seed, "reject policy elsewhere", ELSEWHERE)


def _usable(policy):
    """A policy that a learner wrote, as it is used. Raises CourseError."""
    try:
        return policy_of(plain(policy))
    except (ValueError, Unclear) as problem:
        raise CourseError(f"The policy can't be used as it is: {problem}.") from None


class Replay:
    """What came of a policy in one department. `outcome` holds it as a dictionary."""

    def __init__(self, outcome):
        self.outcome = outcome

    def __repr__(self):
        out = self.outcome
        lines = [f"{'acted on':10} {'who':5} {'side':5} what was found when somebody asked"]
        for name, side, place, kind, judged in out["acted"]:
            false = "FALSE ACCUSATION: " if judged == "accused" else ""
            lines.append(f"{QUARTERS[place]:10} {name:5} {side:5} {false}{_found_with(kind, side, judged, out['compare'])}")
        return "\n".join([*lines, "", _counted(out)])


class Rehearsal:
    """What came of a policy in many departments. `outcome` holds it as a dictionary."""

    def __init__(self, outcome):
        self.outcome = outcome

    def __repr__(self):
        out, many = self.outcome, self.outcome["departments"]
        lines = [f"{many} other departments: {_counted(out)}",
                 f"  in a hundred departments {100 * out['accused'].total() / many:.1f} false accusations in three years; "
                 f"of a hundred to be found {100 * _in_time(out):.1f} are found in time"]
        for part, title in (("accused", "accused falsely"), ("missed", "missed"), ("late", "later than three quarters")):
            found = Counter()
            for (kind, side), count in out[part].items():
                found[_found_with(kind, side, part, out["compare"])] += count
            lines += [f"  {title}, {count} x: {words}" for words, count in _most_first(found)]
        return "\n".join(lines)


def _found_with(kind, side, judged, compare):
    """What was found when somebody asked, in words that are true of an act on that side, by a policy that compares so."""
    if judged != "accused" or (kind, side) == ("stand-in", "high") or (kind, side, compare) == ("hard", "high", "all"):
        return KINDS[kind][4]
    return KINDS["ordinary"][4]


def _most_first(counts):
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


def _counted(out):
    counts = [out[name].total() for name in ("accused", "missed", "late")]
    return "false accusations {}, missed {}, later than three quarters {}".format(*counts)


def _in_time(out):
    """The share of those to be found who are found within the limit."""
    return 1 - (out["missed"].total() + out["late"].total()) / out["wanted"]


PARTS = ("compare", "least", "high_sd", "low_sd", "quarters", "in_a_row")


def policy_of(value):
    """A policy as it is used: a dict with compare, least, high_sd, low_sd (None: never), quarters, in_a_row. Raises ValueError."""
    if type(value) is list and value and all(type(one) is list and len(one) == 2 and type(one[0]) is str for one in value):
        value = dict(value)
    if type(value) is not dict:
        raise ValueError(f"it is a dictionary with {', '.join(PARTS)}")
    value = {str(name).strip().lower().replace(" ", "_"): one for name, one in value.items()}
    for name in PARTS:
        if name not in value:
            raise ValueError(f"`{name}` is missing")
    for name in value:
        if name not in PARTS:
            raise ValueError(f"`{name}` is no part of it: its parts are {', '.join(PARTS)}")
    compare = str(value["compare"]).strip().lower().replace("_", " ")
    if compare not in ("all", "same exams"):
        raise ValueError("`compare` is \"all\" or \"same exams\"")
    read = {"compare": compare}
    for name in PARTS[1:]:
        number = value[name]
        if name == "low_sd" and (number is None or str(number).strip().lower() in ("none", "never")):
            read[name] = None
            continue
        try:
            number = float(_bare(number))
        except (TypeError, ValueError):
            raise ValueError(f"`{name}` is a number; {number!r} is none") from None
        number = abs(number) if name == "low_sd" else number                # "3 below" and "-3" mean the same
        low, high, whole = {"least": (0, 5000, True), "quarters": (1, 8, True), "in_a_row": (1, 8, True)}.get(name, (0.5, 10, False))
        if not low <= number <= high or whole and number != int(number):
            raise ValueError(f"`{name}` is a {'whole ' if whole else ''}number from {low} to {high}")
        read[name] = int(number) if whole else number
    return read


def _bare(number):
    """A number as people write it in text, "3,0", "3 SD" or "2 quarters", without its unit."""
    if type(number) is not str:
        return number
    return re.sub(r"(?i)\s*(sds?|standard deviations?|quarters?|times|exposures|in a row)\s*$", "", number).strip().replace(",", ".")


def run_policy(departments, policy, names=None):
    """Apply a policy quarter by quarter, as if nobody knew what comes next.

    departments : (exposures, rejects, begins), as `drawn` gives them
    names       : of the people, where it is one department; then `acted` is told

    Returns a dict: `compare`, of the policy; `departments`, how many; `wanted`, how many people are to be found; `accused`, `missed` and
    `late`, each a Counter by (kind, side); `acted`, in the order of time, of (name, side, index of the quarter, kind, "right", "late" or
    "accused").
    """
    exposures, rejects, begins = departments
    span, many = policy["quarters"], len(begins)
    made, broken = (_summed(array, span) for array in (exposures, rejects))                   # by department, person, last quarter, exam
    together, gone = made.sum(axis=1), broken.sum(axis=1)
    rates = gone / together if policy["compare"] == "same exams" else \
        np.broadcast_to((gone.sum(axis=2) / together.sum(axis=2))[:, :, None], gone.shape)
    observed, size = (sum(array[..., exam] for exam in range(len(USUAL))) for array in (broken, made))
    expected = np.einsum("dpqe,dqe->dpq", made, rates)
    spread = np.sqrt(np.einsum("dpqe,dqe->dpq", made, rates * (1 - rates)))
    judged = size >= policy["least"]
    beyond = {"high": judged & (observed > expected + policy["high_sd"] * spread),
              "low": judged & (observed < expected - policy["low_sd"] * spread) if policy["low_sd"] is not None else judged & False}
    out = {"compare": policy["compare"], "departments": many, "wanted": many * int(IN_TRUTH.sum()),
           "accused": Counter(), "missed": Counter(), "late": Counter(), "acted": []}
    for side, here in beyond.items():
        place = _first_run(here, policy["in_a_row"]) + span - 1                                # NEVER and more: never
        acted, wanted = place < NEVER, np.array([TRUTH.get(kind) == side for kind in PEOPLE])
        right = acted & wanted & (place >= begins)
        late = right & (place > begins + LIMIT)
        for part, which in (("accused", acted & ~right), ("late", late), ("missed", wanted & ~acted)):
            for kind, count in zip(PEOPLE, which.sum(axis=0).tolist(), strict=True):
                if count:
                    out[part][kind, side] += count
        for person in np.flatnonzero(acted[0]).tolist() if names else ():
            fate = "late" if late[0, person] else "right" if right[0, person] else "accused"
            out["acted"].append((names[person], side, int(place[0, person]), PEOPLE[person], fate))
    out["acted"].sort(key=lambda one: (one[2], one[0]))
    return out


NEVER = 99


def _summed(array, span):
    """Sums over so many quarters together, each quarter anew."""
    count = array.shape[2] - span + 1
    return sum(array[:, :, back:back + count] for back in range(span))


def _first_run(here, times):
    """Where, for each person, a run of so many True has first come to its end; NEVER where there is none."""
    if here.shape[2] < times:
        return np.full(here.shape[:2], NEVER)
    run = here[:, :, times - 1:].copy()
    for back in range(1, times):
        run &= here[:, :, times - 1 - back:here.shape[2] - back]
    return np.where(run.any(axis=2), run.argmax(axis=2) + times - 1, NEVER)


# --- exercises

def _about_text(vendor, text):
    """What to look at in a text of a vendor."""
    if not text.strip():
        return "Nothing stands in this text: it is other. A loop over its words goes round not once; what is returned behind it?"
    if vendor != "marlin":
        told = "Here the whole text has to stand in the vocabulary, without the blanks around it and in small letters."
        return f"{told} There are blanks around this one." if text != text.strip() else told
    if set("-/") & set(text.strip("-/ ")):
        return "Words stand between blanks, and nothing else: this one, with a stroke in it, is one word, and its beginning decides."
    return ("Go through its words from the left, and each of them through all entries, before you say other: the first word that begins "
            "with an entry decides.")


def _remark_on_reason(case, reason):
    """What is wrong with a reason, where it can be seen from it and the case."""
    vendor, text = case
    if str(reason).strip().lower() == "artifact":
        return "The hospital writes *artefact*, as the vocabulary does; *artifact* would be a reason of its own in every count."
    if vendor == "marlin" and text != text.lower() and reason == SiteReason.case_forgotten(vendor, text):
        return "Case does not matter for marlin either: there are capitals in this text, and none in the vocabulary. `text.lower()` first."
    return None


class Reason(Text):
    """A reason, as text; whoever returns empty text for blank text is told so."""

    def read(self, given):
        try:
            return super().read(given)
        except Unclear:
            if type(given) is str and not given.strip():
                raise Unreadable("It is empty text. Whatever stands nowhere in the vocabulary, blank text too, is `\"other\"`.") from None
            raise


@lesson.exercise
class SiteReason:
    """Write `site_reason(vendor, text)`: the hospital's reason for what a vendor wrote. `VOCABULARY[vendor]` says how.

    - **helio** and **orbis**: the whole text stands in the vocabulary, whatever its case and the blanks around it. A code of orbis is text
      here, `"11"`.
    - **marlin** is free text: the first word that *begins* with one of the vocabulary's entries decides (words stand between blanks;
      case does not matter).
    - Whatever stands nowhere in the vocabulary, blank text too, is `"other"`.

    The check calls your function with rows that you have not seen.
    """

    answer = Function("site_reason", result=Reason("reason"), about=_about_text, remark=_remark_on_reason)
    points = 2

    def solution(vendor, text):
        words = VOCABULARY[vendor]
        text = text.strip().lower()
        if vendor == "marlin":
            for word in text.split():
                for beginning in words:
                    if word.startswith(beginning):
                        return words[beginning]
        elif text in words:
            return words[text]
        return "other"

    def anywhere_in_the_text(vendor, text):
        words, text = VOCABULARY[vendor], text.strip().lower()
        if vendor != "marlin":
            return words.get(text, "other")
        return next((reason for beginning, reason in words.items() if beginning in text), "other")

    def as_written(vendor, text):
        words = VOCABULARY[vendor]
        if vendor != "marlin":
            return words.get(text, "other")
        return next((words[one] for word in text.split() for one in words if word.startswith(one)), "other")

    def case_forgotten(vendor, text):
        words = VOCABULARY[vendor]
        if vendor != "marlin":
            return words.get(text.strip(), "other")
        return next((words[one] for word in text.split() for one in words if word.startswith(one)), "other")

    def whole_text_only(vendor, text):
        return VOCABULARY[vendor].get(text.strip().lower(), "other")

    def whole_words_only(vendor, text):
        words, text = VOCABULARY[vendor], text.strip().lower()
        if vendor != "marlin":
            return words.get(text, "other")
        return next((words[word] for word in text.split() if word in words), "other")

    def first_word_only(vendor, text):
        words, text = VOCABULARY[vendor], text.strip().lower()
        if vendor != "marlin":
            return words.get(text, "other")
        return next((words[one] for word in text.split()[:1] for one in words if word.startswith(one)), "other")

    def the_last_word_decides(vendor, text):
        words, text = VOCABULARY[vendor], text.strip().lower()
        if vendor != "marlin":
            return words.get(text, "other")
        return ([words[one] for word in text.split() for one in words if word.startswith(one)] or ["other"])[-1]

    def unknown_stops(vendor, text):
        words, text = VOCABULARY[vendor], text.strip().lower()
        if vendor != "marlin":
            return words[text]
        return next((words[one] for word in text.split() for one in words if word.startswith(one)), "other")

    def one_list_for_all(vendor, text):
        words = {word: reason for some in VOCABULARY.values() for word, reason in some.items()}
        return next((words[one] for word in text.strip().lower().split() for one in words if word.startswith(one)), "other")

    def order_of_the_vocabulary(vendor, text):
        words, text = VOCABULARY[vendor], text.strip().lower()
        if vendor != "marlin":
            return words.get(text, "other")
        return next((words[one] for one in words for word in text.split() if word.startswith(one)), "other")

    def inside_a_word(vendor, text):
        words, text = VOCABULARY[vendor], text.strip().lower()
        if vendor != "marlin":
            return words.get(text, "other")
        return next((words[one] for word in text.split() for one in words if one in word), "other")

    def beginnings_everywhere(vendor, text):
        words, text = VOCABULARY[vendor], text.strip().lower()
        if vendor != "marlin":
            return next((words[one] for one in words if text.startswith(one)), "other")
        return next((words[one] for word in text.split() for one in words if word.startswith(one)), "other")

    def words_by_their_beginning(vendor, text):
        words = VOCABULARY[vendor]
        return next((words[one] for word in text.strip().lower().split() for one in words if word.startswith(one)), "other")

    def gives_up_at_once(vendor, text):
        words, text = VOCABULARY[vendor], text.strip().lower()
        if vendor != "marlin":
            return words.get(text, "other")
        return next((words[one] if word.startswith(one) else "other" for word in text.split() for one in words), "other")

    def blanks_count(vendor, text):
        words, text = VOCABULARY[vendor], text.lower()
        return words.get(text, "other") if vendor != "marlin" else SiteReason.solution(vendor, text)

    def motion_before_patients(vendor, text):
        low = text.lower()
        return "motion" if vendor == "marlin" and "pat" in low and "mov" in low else SiteReason.solution(vendor, text)

    def codes_by_their_beginning(vendor, text):
        return SiteReason.beginnings_everywhere(vendor, text) if vendor == "orbis" else SiteReason.solution(vendor, text)

    wrong_ways = {
        gives_up_at_once: "Your function says other at the first entry that does not fit, and looks at no further one. `return \"other\"` "
        "belongs behind both loops: a `return` ends the whole function.",
        words_by_their_beginning: "For helio and orbis you go through words and how they begin, as is right for marlin. There the whole "
        "text has to be in the vocabulary: nobody listed the code `\"110\"`, nor the text *Positioning aid left in*.",
        blanks_count: "A code or text with a blank around it becomes other in your function. Exports pad their columns: `text.strip()` "
        "first.",
        motion_before_patients: "You made a special case of patients who moved. Sensible, but the rule that is asked has none: the first "
        "word that fits decides, so *pat. moved* is patient identification. A better rule is a better vocabulary, which somebody owns.",
        codes_by_their_beginning: "For orbis you look how the code begins. The whole text has to be in the vocabulary: `\"110\"` is a code "
        "that nobody listed, not `\"11\"` with something behind it.",
        order_of_the_vocabulary: "Where two words fit, the entry that stands first in the vocabulary wins with you. The rule asks for the "
        "first *word*: the loop over `text.split()` is the outer one, the loop over the vocabulary the inner one.",
        inside_a_word: "You look for an entry anywhere *inside* a word, `beginning in word`. Then *removed* is motion and *exposure* is "
        "positioning, because `pos` stands inside. The rule is `word.startswith(beginning)`.",
        beginnings_everywhere: "For helio and orbis you look how the text begins. There the whole text has to be in the vocabulary: "
        "`\"110\"` is a code that nobody listed, not `\"11\"` with something behind it.",
        anywhere_in_the_text: "You look for the entries anywhere in the text. Look what `pos` finds in *underexposed*: an exposure fault "
        "becomes a positioning fault. The rule is how a *word begins*: `word.startswith(...)`.",
        as_written: "Case and blanks around the text count in your function: *CLIPPED ANATOMY* of a newer software, or *Motion*, become "
        "other. `text.strip().lower()` first.",
        case_forgotten: "Upper and lower case count in your function. Vendors change them from version to version, and people type as they "
        "like: `text.lower()` first.",
        whole_text_only: "You compare whole texts for marlin, too. People wrote sentences there: nearly everything becomes other, and a "
        "Pareto chart with other in front tells nothing.",
        whole_words_only: "You take an entry of marlin's only where it is a whole word. The entries are beginnings: *moved*, *exposure* "
        "and *pos.* are meant.",
        first_word_only: "You look at the first word of the text only. In *too light* the second one says it.",
        the_last_word_decides: "Where two words fit, the last one wins with you. The rule says the first: technologists write the main "
        "reason first.",
        unknown_stops: "A code that nobody listed stops your function. Vendors add codes with an update: unknown is other, and the "
        "number of others tells you to look.",
        one_list_for_all: "You look through all vendors' words for each vendor. A log has its own language: helio writes whole texts, "
        "and a code of orbis has to fit as a whole.",
    }
    hints = [
        "Begin with `words = VOCABULARY[vendor]` and `text = text.strip().lower()`.",
        "For helio and orbis: `if text in words: return words[text]`, and at the very end of the function `return \"other\"`.",
        "For marlin two loops, one inside the other: `for word in text.split():` and in it `for beginning in words:`.",
        "Inside: `if word.startswith(beginning): return words[beginning]`. Where nothing was returned, `\"other\"` is left.",
    ]
    praise = ("Now three rooms speak one language. Keep the vocabulary as a table that somebody owns; after each update of a console look "
              "at what became other.")

    def cases(draw):
        texts = {
            "helio": ["Positioning", "Clipped anatomy", "Under/overexposed", "Patient motion", "Artifact", "Equipment failure",
                      "Wrong patient data", "Test", "Other", "", "Rejected", "Test pattern", "Positioning aid left in", "11"],
            "orbis": ["11", "12", "21", "31", "41", "42", "51", "90", "99", "77", "", "1", "110", "011"],
            "marlin": ["nipple not in profile", "pos.", "positioning", "PNL too short", "cut off", "axilla missing", "too light", "exp",
                       "AEC cell wrong", "moved", "motion blur", "Motion", "hair", "artefact", "paddle error", "generator", "wrong name",
                       "wrong pat.", "QC", "daily flat field", "test", "?", "", "see note", "image underexposed", "overexposed again",
                       "bad pos", "breast moved, hair", "hair and motion", "light, nipple not seen", "latest detector", "shortcut key hit",
                       "chairs", "patient identification", "Artifact at edge", "tube removed", "Exposure", "repositioned",
                       "patient moved", "pat. moved", "possible movement", "patient", "ident. missing", "re-positioned", "patient-moved"],
        }
        found = []
        for vendor, some in texts.items():
            for text in some:
                form = draw.choice((str, str.upper, str.lower, lambda one: f" {one} ", str))
                found.append((vendor, form(text)))
        found += [("helio", "CLIPPED ANATOMY"), ("helio", " Patient motion"), ("orbis", "42 "), ("marlin", "MOTION"),
                  ("marlin", "image underexposed")]
        draw.shuffle(found)
        return found


NEAR = 0.0055                    # percentage points: a rate with two decimals is right
QUALITY, ISSUE, SAFETY, MISFILED = "113001", "113010", "113037", "113038"


def rates(log, archive_images, notes, tests="no", repeats="no", codes=(QUALITY,), below="all", without=""):
    """The reject rate of each room in percent, by one of many definitions: {room: percent}. What the words mean: see `RejectRates`.

    tests   : whether they count: "no", "yes", "above" or "below" (the line only)
    repeats : "no"; "reject", counted as rejects; "below", added below the line; "both"; "off", taken off below the line
    codes   : the titles of the notes that count
    below   : "all", what was exposed; "images", what the archive has; "twice", the late rejects added once more; "less", the late rejects
              taken off; "misfiled", what lay under a wrong entry taken off; "unsafe", that and what was withdrawn for safety
    without : a reason of the consoles' rejects that is left out
    """
    return {room: _rate(counts, tests, repeats, codes, below, without) for room, counts in _counts(log, archive_images, notes).items()}


def _counts(log, archive_images, notes):
    """What each room's rate is made of: {room: {"images", "reject", "repeat", "test", a reason or the code of a note: how many}}."""
    found = {}
    for room, images in zip(archive_images["room"], archive_images["images"], strict=True):
        mine = log[log["room"] == room]
        actions = Counter("test" if reason == "test" else action for reason, action in zip(mine["reason"], mine["action"], strict=True))
        reasons = Counter(mine[mine["action"] == "reject"]["reason"])
        reasons.pop("test", None)
        found[room] = Counter({"images": int(images)}) + actions + reasons + Counter(notes[notes["room"] == room]["code"])
    return found


def _rate(counts, tests, repeats, codes, below, without=""):
    """One room's rate by a definition, see `rates`."""
    rejects, late, tested = counts["reject"] - counts[without], sum(counts[code] for code in codes), counts["test"]
    line = counts["images"] + (0 if below == "images" else rejects + tested * (tests in ("yes", "below")))
    line += counts["repeat"] * {"below": 1, "both": 1, "off": -1}.get(repeats, 0)
    line += {"twice": late, "less": -late, "misfiled": -counts[MISFILED], "unsafe": -counts[MISFILED] - counts[SAFETY]}.get(below, 0)
    return 100 * (rejects + late + tested * (tests in ("yes", "above")) + counts["repeat"] * (repeats in ("reject", "both"))) / line


def definition(log, archive_images, notes, given):
    """Which definition leads to all the rates that were given, {room: percent}, as a sentence; None when none does, or more than one.

    Only a definition that explains every room is told: a single number is near some definition by accident.
    """
    told = {
        "tests": {"no": "", "yes": "the tests of the equipment count",
                  "above": "the tests of the equipment count above the line, not below",
                  "below": "the tests of the equipment count below the line, as if patients had been exposed, not above"},
        "repeats": {
            "no": "", "reject": "what marlin calls a repeat counts as a reject, although the archive has it",
            "below": "marlin's repeats are added below the line once more: the archive's count holds them already",
            "both": "what marlin calls a repeat counts as a reject and is added below the line, although the archive has it and counts it",
            "off": "marlin's repeats are taken off below the line: they are exposures of patients as well"},
        "below": {
            "all": "", "images": "it is out of the archive's images, and not of all exposures",
            "twice": "the withdrawn images are added below the line, although the archive's count holds them",
            "less": "the withdrawn images are taken off below the line: they are exposures as well",
            "misfiled": "the images of a wrong worklist entry are taken off below the line: they are good exposures",
            "unsafe": "what was withdrawn for safety or for a wrong entry is taken off below the line: patients were exposed for it"},
        "without": {
            "": "",
            "patient identification": "the rejects for *patient identification* are left out: the console rejected them, so they count",
            "other": "the rejects whose reason is *other* are left out: an unknown reason is one, too"},
    }
    extra = {ISSUE: "*Quality Issue* counts, which withdraws nothing", SAFETY: "what was withdrawn for patient safety counts",
             MISFILED: "what lay under a wrong worklist entry counts"}
    three = "all three titles of rejection notes count, where by the hospital's rule only the one for quality does"
    counted = [codes for many in range(5) for codes in itertools.combinations((QUALITY, *extra), many)]
    counts, found = _counts(log, archive_images, notes), []
    for tests, repeats, below, without, codes in itertools.product(*(told[part] for part in told), counted):
        if below == "images" and (tests in ("above", "below") or repeats in ("below", "both", "off")):
            continue                                                    # the same, or nothing that anybody would do
        if all(abs(_rate(counts[room], tests, repeats, codes, below, without) - given[room]) <= NEAR for room in counts):
            parts = [told["tests"][tests], told["repeats"][repeats], told["below"][below], told["without"][without]]
            parts += ["no image counts that was withdrawn for quality"] * (QUALITY not in codes)
            parts += [three] if codes == (QUALITY, SAFETY, MISFILED) else [extra[one] for one in codes if one in extra]
            found.append(sorted(part for part in parts if part))
    fewest = [parts for parts in found if len(parts) == min(map(len, found))]
    return f"In your numbers {', and '.join(fewest[0])}." if len({tuple(parts) for parts in fewest}) == 1 and fewest[0] else None


class Rates(Table):
    """Rates of the three rooms; wrong ones are told by the definition that leads to all of them."""

    def judge(self, exercise, given, editions):
        verdict = super().judge(exercise, given, editions)
        if verdict.label != "value":
            return verdict
        right = exercise.computed(exercise.solution, editions.own)
        found = {str(room).upper(): percent for room, percent in self._found(exercise, given, editions).items()}
        if not all(type(one) in (int, float) for one in found.values()):
            return verdict
        good = sum(abs(found[room] - right[room]) <= NEAR for room in right)
        inputs = [exercise.lesson.input_of(name, editions.own) for name in ("log", "archive_images", "notes")]
        if all(abs(found[room] - right[room]) < 0.051 and round(found[room], 1) == found[room] for room in right):
            told = "These may be right, but have one decimal only. Give two: with one, several definitions come to the same."
        elif all(found[room] == counts["reject"] + counts[QUALITY] for room, counts in _counts(*inputs).items()):
            told = "These are the rejects themselves, and rightly counted. A rate is rejects out of all exposures of that room, in percent."
        elif all(abs(found[room] - _without_parentheses(counts)) <= NEAR for room, counts in _counts(*inputs).items()):
            told = "Parentheses are missing: in `a / b + c` only b is below the line. All exposures are `(images + rejected)`."
        elif not good:
            told = "None of the three is right. " + (definition(*inputs, found) or "Print for one room the numbers that you add up, above "
                                                     "the line and below it, and hold each against the four rules of the question.")
        else:
            told = f"{good} of {len(right)} are right. {definition(*inputs, found) or verdict.message}"
        return Verdict(Outcome.NOT_YET, told, "value")

    def _found(self, exercise, given, editions):
        """The numbers that were given: {room: percent}, as they are compared."""
        solution = self._computed(exercise, exercise.solution, editions)
        return {key[0]: row[1] for key, row in self._keyed(self.read(*given), solution).items()}


def _without_parentheses(counts):
    """A room's rate as it becomes without parentheses around all exposures."""
    return 100 * (counts["reject"] + counts[QUALITY]) / counts["images"] + counts["reject"]


def _percent(value):
    """A percentage, as a number or as text such as "12.5 %"."""
    return float(value.replace("%", "").replace(",", ".")) if isinstance(value, str) else value


@lesson.exercise
class RejectRates:
    """Give the reject rate of each room over the 90 days, in percent with two decimals: `rates`, a dictionary such as
    `{"DX_CH1": ..., "CR_ER1": ..., "MG1": ...}` (a table with the columns `room` and `percent` will do as well).

    The committee begins with **AAPM Report 305**, adds one rule of its own, and takes the mammography room with it:

    - a **reject** is an exposure of a patient that was never presented to a radiologist; tests of the equipment are none;
    - what was sent to the archive is no reject, even if the console calls it a repeat;
    - the hospital's own rule, which is no part of the report: an image that was withdrawn in the archive **for quality**, by a rejection
      note, counts as a reject, even where somebody had looked at it. What was withdrawn for safety or for a wrong entry does not;
    - the rate is rejects out of **all exposures of patients**. The archive's count holds the repeats that were sent there, and whatever was
      withdrawn later, each image once.
    """

    answer = Rates("rates", entries=("room", "percent"), tolerance=NEAR, reading={"percent": _percent},
                   spare=["images", "rejects", "late", "exposures"])
    points = 3

    def solution(log, archive_images, notes):
        rejects = log[(log["reason"] != "test") & (log["action"] == "reject")]
        late = notes[notes["code"] == "113001"]
        percent = {}
        for room in ["DX_CH1", "CR_ER1", "MG1"]:
            images = archive_images[archive_images["room"] == room]["images"].sum()
            rejected = (rejects["room"] == room).sum()
            withdrawn = (late["room"] == room).sum()
            percent[room] = 100 * (rejected + withdrawn) / (images + rejected)
        return percent

    def with_tests(log, archive_images, notes):
        return rates(log, archive_images, notes, tests="yes")

    def tests_below_only(log, archive_images, notes):
        return rates(log, archive_images, notes, tests="below")

    def tests_above_only(log, archive_images, notes):
        return rates(log, archive_images, notes, tests="above")

    def out_of_the_accepted(log, archive_images, notes):
        return rates(log, archive_images, notes, below="images")

    def consoles_only(log, archive_images, notes):
        return rates(log, archive_images, notes, codes=())

    def every_note(log, archive_images, notes):
        return rates(log, archive_images, notes, codes=(QUALITY, ISSUE, SAFETY, MISFILED))

    def misfiled_too(log, archive_images, notes):
        return rates(log, archive_images, notes, codes=(QUALITY, MISFILED))

    def safety_too(log, archive_images, notes):
        return rates(log, archive_images, notes, codes=(QUALITY, SAFETY))

    def every_quality_word(log, archive_images, notes):
        return rates(log, archive_images, notes, codes=(QUALITY, ISSUE))

    def withdrawn_twice(log, archive_images, notes):
        return rates(log, archive_images, notes, below="twice")

    def withdrawn_taken_off(log, archive_images, notes):
        return rates(log, archive_images, notes, below="less")

    def a_fraction(log, archive_images, notes):
        return {room: percent / 100 for room, percent in rates(log, archive_images, notes).items()}

    def shares_of_the_rejects(log, archive_images, notes):
        counted = log[(log["reason"] != "test") & (log["action"] == "reject")]["room"]
        late = notes[notes["code"] == "113001"]["room"]
        counts = {room: int((counted == room).sum() + (late == room).sum()) for room in archive_images["room"]}
        return {room: 100 * count / max(1, sum(counts.values())) for room, count in counts.items()}

    wrong_ways = {
        with_tests: "The tests of the equipment are among your rejects. Helio's console counts them so. The fewer patients a room has, "
        "the more that lifts its rate. Report 305 counts exposures of patients only: leave out `reason == \"test\"`.",
        tests_below_only: "The tests of the equipment are among your exposures, though not among your rejects: no patient was exposed for "
        "them. Leave out `reason == \"test\"` before you count the rows of `log`.",
        tests_above_only: "The tests of the equipment are among your rejects, though not among your exposures. Report 305 counts exposures "
        "of patients only: leave out `reason == \"test\"`.",
        out_of_the_accepted: "You divide by the images that the archive has. A rejected exposure is an exposure too: rejects belong below "
        "the line as well. The error grows with the rate, so it makes bad rooms look worse.",
        consoles_only: "You count what the consoles know. Some images were sent to the archive and withdrawn there for quality; by the "
        "hospital's rule they count. (If you asked for the code as a number: the column holds text, `\"113001\"`.)",
        every_note: "You count every note. Look at `meaning`: a wrong worklist entry is a good image under a wrong name, and *Quality "
        "Issue* (PS3.16 CID 7010) only draws attention; IHE's rejection for quality has a title of its own (RAD TF-2 4.66).",
        misfiled_too: "You count the notes on wrong worklist entries as well. They withdraw a good image from the wrong patient or order: "
        "nobody has to expose again for that.",
        safety_too: "You count what was withdrawn for patient safety as well. That can be argued for, where somebody had to expose again; "
        "by the rule that is asked here, only the notes *for quality* count.",
        every_quality_word: "You count each title with the word quality. *Quality Issue* (PS3.16 CID 7010) draws attention to an image "
        "that stays in use; only one title withdraws it for quality (IHE RAD TF-2 4.66, IOCM).",
        withdrawn_twice: "You add the withdrawn images to the exposures as well. They are in the archive's count already: so they move "
        "from the good to the rejected, and the sum below the line stays.",
        withdrawn_taken_off: "You take the withdrawn images off below the line. Patients were exposed for them: they move from the good to "
        "the rejected, and the sum below the line stays.",
        a_fraction: "These are fractions; the rates are asked in percent.",
        shares_of_the_rejects: "That is how the rejects are shared among the rooms. A room that works much rejects much; a rate is "
        "rejects out of that room's own exposures.",
    }
    hints = [
        "Three tables, three numbers for each room: `archive_images` has the images; of `log` count the rows that are rejects of "
        "patients; of `notes` those that withdraw for quality.",
        "Rows of `log` that count: `log[(log[\"reason\"] != \"test\") & (log[\"action\"] == \"reject\")]`. In `notes` look which `code` "
        "has which `meaning`; a code is text, in quotes.",
        "Then a loop: `for room in [\"DX_CH1\", \"CR_ER1\", \"MG1\"]:`, and in it `(rejects[\"room\"] == room).sum()` counts "
        "the rows of one room.",
        "One number out of a table: `archive_images[archive_images[\"room\"] == room][\"images\"].sum()`, or type the three that you see.",
        "Above the line: rejects of the consoles and withdrawn images. Below it: what the archive has, and what never came there. Which "
        "of the four numbers is in another one already?",
    ]
    praise = ("One definition for three rooms. Write it on the slide beside the number: most quarrels about reject rates are about the "
              "line between the numbers and not about the work.")


def _middle(p, z, n):
    return p + z**2 / (2 * n)


def _half(p, z, n):
    return z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5


def _interval(rejects, exposures, middle=_middle, half=_half, z=1.96):
    """Wilson's interval, with other parts of the formula where they are given; (0, 1) of nothing."""
    if not exposures:
        return 0, 1
    p, line = rejects / exposures, 1 + z**2 / exposures
    centre, width = middle(p, z, exposures), half(p, z, exposures)
    return (centre - width) / line, (centre + width) / line


def _about_interval(rejects, exposures):
    """What stands in a case of an interval, and how to find the part of the formula that is not right."""
    here = f"Here {rejects} of {exposures} exposures {'was' if rejects == 1 else 'were'} rejected, so x is {rejects} and n is {exposures}."
    if 0 < exposures < 4:
        here += " Few exposures say little, but something: the formula holds for them as well, and (0, 1) is for none at all."
    return f"{here} To find the part that is not right print the parts for 2 of 10: there p + z²/(2n) is 0.392, the root with its z in " \
        "front 0.314, and 1 + z²/n is 1.384." if exposures else here


@lesson.exercise
class WilsonInterval:
    """Write `wilson(rejects, exposures)`: the 95 % interval of a rate by Wilson's score method, as `(low, high)`, fractions from 0 to 1.
    With $x$ rejects of $n$ exposures, $p = x/n$ and $z = 1.96$:

    $$\\frac{p + \\frac{z^2}{2n} \\pm z\\sqrt{\\frac{p(1-p)}{n} + \\frac{z^2}{4n^2}}}{1 + \\frac{z^2}{n}}$$

    To try it out: 2 of 10 have 0.057 and 0.510. Any number of exposures may come; where nothing was exposed nothing is known: return
    `(0, 1)`.
    """

    answer = Function("wilson", result=Fields(
        "interval", {"low": Number("", tolerance=0.0006), "high": Number("", tolerance=0.0006)}, in_order=True,
        takes="two numbers, low and high"), about=_about_interval)
    points = 2

    def solution(rejects, exposures):
        z, low, high = 1.96, 0, 1
        if exposures > 0:
            p = rejects / exposures
            middle = p + z**2 / (2 * exposures)
            half = z * (p * (1 - p) / exposures + z**2 / (4 * exposures**2)) ** 0.5
            low = (middle - half) / (1 + z**2 / exposures)
            high = (middle + half) / (1 + z**2 / exposures)
        return low, high

    def textbook(rejects, exposures):
        if not exposures:
            return 0, 1
        p = rejects / exposures
        half = 1.96 * (p * (1 - p) / exposures) ** 0.5
        return p - half, p + half

    def textbook_cut(rejects, exposures):
        low, high = WilsonInterval.textbook(rejects, exposures)
        return max(0, low), min(1, high)

    def plus_four(rejects, exposures):
        if not exposures:
            return 0, 1
        p, n = (rejects + 2) / (exposures + 4), exposures + 4
        half = 1.96 * (p * (1 - p) / n) ** 0.5
        return max(0, p - half), min(1, p + half)

    def ninety_percent(rejects, exposures):
        z, n = 1.645, exposures
        if not n:
            return 0, 1
        p = rejects / n
        middle, half = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
        return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)

    def in_percent(rejects, exposures):
        return tuple(100 * one for one in WilsonInterval.solution(rejects, exposures))

    def denominator_forgotten(rejects, exposures):
        z, n = 1.96, exposures
        if not n:
            return 0, 1
        p = rejects / n
        middle, half = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
        return middle - half, middle + half

    def root_over_the_first_part(rejects, exposures):
        z, n = 1.96, exposures
        if not n:
            return 0, 1
        p = rejects / n
        middle, half = p + z * z / (2 * n), z * ((p * (1 - p) / n) ** 0.5 + z * z / (4 * n * n))
        return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)

    def no_parentheses(rejects, exposures):
        return _interval(rejects, exposures, middle=lambda p, z, n: p + z**2 / 2 * n,
                         half=lambda p, z, n: z * (p * (1 - p) / n + z**2 / 4 * n**2) ** 0.5)

    def no_parentheses_in_the_middle(rejects, exposures):
        return _interval(rejects, exposures, middle=lambda p, z, n: p + z**2 / 2 * n)

    def no_parentheses_under_the_root(rejects, exposures):
        return _interval(rejects, exposures, half=lambda p, z, n: z * (p * (1 - p) / n + z**2 / 4 * n**2) ** 0.5)

    def four_n_squared(rejects, exposures):
        return _interval(rejects, exposures, half=lambda p, z, n: z * (p * (1 - p) / n + z**2 / (4 * n) ** 2) ** 0.5)

    def root_without_z(rejects, exposures):
        return _interval(rejects, exposures, half=lambda p, z, n: (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5)

    def high_first(rejects, exposures):
        low, high = WilsonInterval.solution(rejects, exposures)
        return (high, low) if exposures else (0, 1)

    def no_root(rejects, exposures):
        return _interval(rejects, exposures, half=lambda p, z, n: z * (p * (1 - p) / n + z**2 / (4 * n**2)))

    def half_in_place_of_the_root(rejects, exposures):
        return _interval(rejects, exposures, half=lambda p, z, n: z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 1 / 2)

    def in_percent_but_for_nothing(rejects, exposures):
        return WilsonInterval.in_percent(rejects, exposures) if exposures else (0, 1)

    def times_two(rejects, exposures):
        return WilsonInterval._squares(rejects, exposures, lambda z: z * 2)

    def z_not_squared(rejects, exposures):
        return WilsonInterval._squares(rejects, exposures, lambda z: z)

    def times_two_in_the_middle(rejects, exposures):
        return _interval(rejects, exposures, middle=lambda p, z, n: p + z * 2 / (2 * n))

    def times_two_under_the_root(rejects, exposures):
        return _interval(rejects, exposures, half=lambda p, z, n: z * (p * (1 - p) / n + z * 2 / (4 * n**2)) ** 0.5)

    def _squares(rejects, exposures, square):
        if not exposures:
            return 0, 1
        z, n, p = 1.96, exposures, rejects / exposures
        middle, half, line = p + square(z) / (2 * n), z * (p * (1 - p) / n + square(z) / (4 * n**2)) ** 0.5, 1 + square(z) / n
        return (middle - half) / line, (middle + half) / line

    def only_the_half_divided(rejects, exposures):
        if not exposures:
            return 0, 1
        z, n, p = 1.96, exposures, rejects / exposures
        middle, half, line = _middle(p, z, n), _half(p, z, n), 1 + z**2 / n
        return middle - half / line, middle + half / line

    def two_decimals(rejects, exposures):
        low, high = WilsonInterval.solution(rejects, exposures)
        return round(low, 2), round(high, 2)

    def two_for_z(rejects, exposures):
        return _interval(rejects, exposures, z=2)

    def nothing_stops(rejects, exposures):
        z, n = 1.96, exposures
        p = rejects / n
        middle, half = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
        return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)

    def nothing_is_nothing(rejects, exposures):
        return WilsonInterval.solution(rejects, exposures) if exposures else (0, 0)

    wrong_ways = {
        textbook: "That is p ± 1.96 standard errors (Wald). For 0 of 4 it says *exactly 0 %, no doubt*, and elsewhere it goes below zero. "
        "Wilson's interval does neither (Brown, Cai, DasGupta, Statistical Science 16, 2001).",
        textbook_cut: "That is the textbook's p ± 1.96 standard errors (Wald), cut off at 0 and 1. It looks tidy, and still says that 0 "
        "of 4 leaves no doubt.",
        plus_four: "That is Agresti's and Coull's *plus four* interval, which some packages call Wilson's. It has the middle of "
        "Wilson's, but is wider where numbers are small. The question gives the formula.",
        ninety_percent: "z = 1.645 leaves 5 % on each side: that is the 90 % interval. For 95 % it is 1.96.",
        in_percent: "These are percentages; fractions from 0 to 1 are asked.",
        denominator_forgotten: "You have what stands above the long line. It is divided by 1 + z²/n, which counts much where n is small.",
        root_over_the_first_part: "Your root ends too early: z²/(4n²) stands under it, too.",
        no_parentheses: "Your interval leaves the range from 0 to 1, far. In Python `/` and `*` go from left to right: `z**2 / 2 * n` is "
        "z² halved and *multiplied* by n. What stands below a line needs parentheses: `z**2 / (2 * n)`, `z**2 / (4 * n**2)`.",
        no_parentheses_in_the_middle: "Your middle grows with n. `z**2 / 2 * n` is z² halved and *multiplied* by n: what stands below the "
        "line needs parentheses, `z**2 / (2 * n)`.",
        no_parentheses_under_the_root: "Your interval is far too wide, more so with more exposures. `z**2 / 4 * n**2` is *multiplied* "
        "by n²: what stands below the line needs parentheses, `z**2 / (4 * n**2)`.",
        four_n_squared: "Under the root you square 4n. The formula has 4n²: only n is squared, `4 * n**2`.",
        root_without_z: "Your interval is half as wide as it should be: the z in front of the root is missing.",
        high_first: "Your two numbers are the wrong way round: low first, then high.",
        two_for_z: "You took z = 2. That is the rule of thumb; the question asks for 1.96, which matters where n is small.",
        no_root: "The root is missing: what stands after the z is taken `** 0.5`, all of it.",
        half_in_place_of_the_root: "`** 1/2` takes no root: Python raises to the power 1 first, and then halves. Write `** 0.5`, or "
        "`** (1/2)`.",
        in_percent_but_for_nothing: "Where something was exposed you return percentages; fractions from 0 to 1 are asked.",
        times_two: "`z * 2` is twice z; z squared is `z**2`. 3.92 and 3.84 look alike, and the next z is another one.",
        times_two_in_the_middle: "In the middle you have `z * 2`, which is twice z; z squared is `z**2`.",
        times_two_under_the_root: "Under the root you have `z * 2`, which is twice z; z squared is `z**2`.",
        z_not_squared: "You have z where the formula has z²: `z**2`, in all three places. Only the z in front of the root stays as it is.",
        only_the_half_divided: "You divide only what comes after ±. The long line is under the whole: put parentheses around middle and "
        "half, `(middle - half) / (1 + z**2 / n)`.",
        two_decimals: "Your limits are rounded to two decimals, whole percents. A room at 1 % needs more: leave them as they are, or keep "
        "three.",
        nothing_stops: "Nobody exposed anything, and your function divides by zero. New colleagues and new rooms begin like that: say "
        "what is known, which is nothing.",
        nothing_is_nothing: "From no exposure at all you conclude that the rate is 0. Nothing is known then: anything from 0 to 1.",
    }
    hints = [
        "First the case of no exposures: `if exposures == 0: return 0, 1`.",
        "Then `p = rejects / exposures` and `z = 1.96`, and the formula piece by piece: a middle, a half width, and what both are "
        "divided by.",
        "A square root is `... ** 0.5`; all of `p * (1 - p) / n + z**2 / (4 * n**2)` stands in its parentheses.",
        "`middle = p + z**2 / (2 * n)`; low is `(middle - half) / (1 + z**2 / n)`.",
    ]
    praise = "Now a rate never travels alone. 0 of 4 and 0 of 143 are both 0 %, and mean different things."

    def cases(draw):
        found = [(0, 4), (1, 4), (0, 0), (0, 1), (1, 1), (1, 2), (3, 3), (3, 12), (12, 12), (0, 143), (60, 217)]
        for _ in range(20):
            n = draw.choice((draw.randrange(3, 12), draw.randrange(20, 400), draw.randrange(1000, 3000)))
            found.append((draw.randrange(0, n // 3 + 1), n))
        return found


def _verdict(text):
    """One of the three verdicts, as people write it."""
    said = re.sub(r"[\s_-]+", " ", str(text)).strip().lower()
    if said not in ("high", "low", "as expected"):
        raise ValueError('the verdicts are "high", "low" and "as expected", in these words')
    return said


def _about_rows(rows):
    """What stands in a department's rows."""
    rejects, exposures = sum(x for _, _, x in rows), sum(n for _, n, _ in rows)
    return f"These are {len(rows)} people with {rejects:,} rejects of {exposures:,} exposures together; each of them gets a verdict."


def _remark_on_verdicts(case, given):
    """The first person whose verdict is not right, with what it has to be reckoned from."""
    right, said = _verdicts(*case), {str(row[0]): row[-1] for row in given.rows}
    if not set(said) <= set(right):
        return None
    if len(said) < len(right):
        return ("People are missing in your dictionary. Each one gets a verdict, as expected too; and `return` stands behind the loop, "
                f"not in it. {_about_rows(*case)}")
    for name, n, x in case[0]:
        try:
            wrong = name in said and _verdict(said[name]) != right[name]
        except ValueError as problem:
            return f"`{name}` can't be read: {problem}."
        if wrong:
            p = _together(case[0])
            on_it = abs(abs(x / n - p) - 3 * math.sqrt(p * (1 - p) / n)) < 1e-9
            then = "That is exactly on a limit, neither above nor below." if on_it else \
                f"Print p and both limits of `{name}`. If they are right, look at your conditions."
            return f"`{name}` is not right, *{_verdict(said[name])}* in your dictionary: {x} rejects of {n}, that is " \
                f"{100 * x / n:.2f} %. {_about_rows(*case)} {then}"
    return None


class Verdicts(Table):
    """Everybody's verdict; whoever names only those who differ may have nobody to name."""

    def read(self, given):
        if type(given) is dict and not given:
            raise Unreadable("It is an empty dictionary. Each one gets a verdict, who is as expected too.")
        return super().read(given)


@lesson.exercise
class WhoDiffers:
    """Write `who_differs(rows)`. `rows` is a list of `(name, exposures, rejects)`; return a dictionary from each name to `"high"`, `"low"`
    or `"as expected"`, by a funnel plot:

    - the middle is the rate $p$ of all together: all rejects out of all exposures;
    - the limits of somebody with $n$ exposures are $p \\pm 3\\sqrt{p(1-p)/n}$;
    - whose rate is above the upper limit is high, below the lower one low; exactly on a limit is as expected.

    Everybody in `rows` has exposures, and everybody is judged, those with few as well: their limits are wide. The check calls your
    function for departments that you do not see.
    """

    answer = Function("who_differs", result=Verdicts("verdicts", entries=("name", "verdict"), reading={"verdict": _verdict}),
                      about=_about_rows, remark=_remark_on_verdicts)
    points = 3

    def solution(rows):
        exposures, rejects = 0, 0
        for name, n, x in rows:
            exposures = exposures + n
            rejects = rejects + x
        p = rejects / exposures
        found = {}
        for name, n, x in rows:
            spread = 3 * (p * (1 - p) / n) ** 0.5
            found[name] = "as expected"
            if x / n > p + spread:
                found[name] = "high"
            if x / n < p - spread:
                found[name] = "low"
        return found

    def low_is_good(rows):
        return _verdicts(rows, low=False)

    def two_sd(rows):
        return _verdicts(rows, sd=2)

    def action_level(rows):
        return {name: "high" if x / n > 0.10 else "as expected" for name, n, x in rows}

    def the_three_highest(rows):
        top = sorted(rows, key=lambda row: -row[2] / row[1])[:3]
        return {row[0]: "high" if row in top else "as expected" for row in rows}

    def one_limit_for_all(rows):
        return _verdicts(rows, size=sum(n for _, n, _ in rows) / len(rows))

    def own_spread(rows):
        p = _together(rows)
        found = {}
        for name, n, x in rows:
            own = 3 * math.sqrt(x / n * (1 - x / n) / n)
            found[name] = "high" if x / n - own > p else "low" if x / n + own < p else "as expected"
        return found

    def mean_of_the_rates(rows):
        return _verdicts(rows, centre=sum(x / n for _, n, x in rows) / len(rows))

    def spread_of_the_rates(rows):
        shares = [x / n for _, n, x in rows]
        mean = sum(shares) / len(shares)
        sd = math.sqrt(sum((one - mean) ** 2 for one in shares) / (len(shares) - 1))
        return {name: "high" if x / n > mean + 2 * sd else "low" if x / n < mean - 2 * sd else "as expected" for name, n, x in rows}

    def median_of_the_rates(rows):
        return _verdicts(rows, centre=statistics.median(x / n for _, n, x in rows))

    def without_oneself(rows):
        exposures, rejects, found = sum(row[1] for row in rows), sum(row[2] for row in rows), {}
        for name, n, x in rows:
            p = (rejects - x) / (exposures - n)
            spread = 3 * math.sqrt(p * (1 - p) / n)
            found[name] = "high" if x / n > p + spread else "low" if x / n < p - spread else "as expected"
        return found

    def all_so_far(rows):
        exposures, rejects, found = 0, 0, {}
        for name, n, x in rows:
            exposures, rejects = exposures + n, rejects + x
            p = rejects / exposures
            spread = 3 * math.sqrt(p * (1 - p) / n)
            found[name] = "high" if x / n > p + spread else "low" if x / n < p - spread else "as expected"
        return found

    def three_spreads_of_the_rates(rows):
        p, sd = _together(rows), statistics.stdev(x / n for _, n, x in rows)
        return {name: "high" if x / n > p + 3 * sd else "low" if x / n < p - 3 * sd else "as expected" for name, n, x in rows}

    def one_minus_p_forgotten(rows):
        p, found = _together(rows), {}
        for name, n, x in rows:
            spread = 3 * (p / n) ** 0.5
            found[name] = "high" if x / n > p + spread else "low" if x / n < p - spread else "as expected"
        return found

    def no_root(rows):
        p, found = _together(rows), {}
        for name, n, x in rows:
            spread = 3 * p * (1 - p) / n
            found[name] = "high" if x / n > p + spread else "low" if x / n < p - spread else "as expected"
        return found

    def exposures_of_all_in_the_limits(rows):
        return _verdicts(rows, size=sum(n for _, n, _ in rows))

    def interval_of_95_percent(rows):
        return _verdicts(rows, sd=1.96)

    def below_zero_under_the_root(rows):
        p, found = 100 * _together(rows), {}
        for name, n, x in rows:
            spread = 3 * (p * (1 - p) / n) ** 0.5
            found[name] = "high" if x / n > p + spread else "as expected"
        return found

    def never_high(rows):
        return {name: "as expected" if one == "high" else one for name, one in _verdicts(rows).items()}

    def sides_swapped(rows):
        return {name: {"high": "low", "low": "high"}.get(one, one) for name, one in _verdicts(rows).items()}

    def zero_is_suspect(rows):
        return {name: "low" if x == 0 else verdict for (name, n, x), verdict in zip(rows, _verdicts(rows).values())}

    wrong_ways = {
        low_is_good: "You look at the upper limit only. No rejects at all from somebody who exposed hundreds is no merit: rejects that "
        "are not recorded look just like that (Report 305: rates too high *or too low* may show that quality control fails). If you do "
        "look at the lower one: an `else` belongs to the last `if` alone, and overwrites what an `if` before it has found. Take `elif`.",
        never_high: "Nobody is ever high with you. If there are two `if`s and an `else`: the `else` belongs to the last `if` alone, and "
        "overwrites what the first one has found. Take `elif` for the second.",
        sides_swapped: "Your limits are right, and the words the wrong way round: high is above the upper limit, low below the lower one.",
        two_sd: "Your limits are at 2 standard deviations. With 24 people one of them is beyond these by chance alone, every quarter. An "
        "accusation needs more: 3.",
        action_level: "You compare with a fixed action level. Above it is, by chance, half of a department whose rate is about that; and "
        "those with few exposures jump over it and back. Limits depend on n.",
        the_three_highest: "You take the highest three. Somebody is always the highest, also where all work alike: a league table finds "
        "its last in any department (Spiegelhalter 2005).",
        one_limit_for_all: "You have one pair of limits for all, from the mean number of exposures. Whoever exposed few varies more than "
        "that and is accused; whoever exposed many hides.",
        own_spread: "You take the spread from each one's own rate. The question of a funnel is: if this person worked as all do, how far "
        "could chance carry the rate? So p is that of all.",
        mean_of_the_rates: "Your middle is the mean of the rates: three exposures of a stand-in count as much as three hundred. It is "
        "all rejects out of all exposures.",
        spread_of_the_rates: "You take mean and standard deviation of the rates. Those with few exposures blow up both, and those who "
        "really differ hide behind them. The spread comes from n.",
        median_of_the_rates: "Your middle is the median of the rates: somebody with five exposures counts as much as somebody with five "
        "hundred. It is all rejects out of all exposures.",
        without_oneself: "You compare each one with all the *others*. That can be done; asked is the rate of all together, one middle for "
        "the whole funnel.",
        all_so_far: "You judge each one by those who came before in the list: p is not finished while you add up. First one loop to the "
        "end, for p; then a second one, for the verdicts.",
        three_spreads_of_the_rates: "Your limits come from how much the rates differ. Those with few exposures blow that up, and those who "
        "really differ hide behind it. The limits of a funnel come from p and each one's n.",
        one_minus_p_forgotten: "Under your root is p / n. The (1 - p) is missing: where little is rejected that hardly shows, where much "
        "is rejected your limits are too wide.",
        no_root: "The root is missing: `... ** 0.5`. Without it your limits lie so near to the middle that nearly everybody is beyond.",
        exposures_of_all_in_the_limits: "The n in your limits is that of all together. It is each one's own: inside the second loop, `n`.",
        interval_of_95_percent: "Your limits are at 1.96 standard deviations: that was the z of a 95 % interval. A funnel accuses, and "
        "takes 3.",
        below_zero_under_the_root: "Something below zero stands under your root: p is not between 0 and 1. It is rejects out of exposures, "
        "in this order, and a fraction, no percentage.",
        zero_is_suspect: "You find each zero low. With 20 exposures no reject is nothing special: the lower limit is below zero there.",
    }
    hints = [
        "First loop: add up all exposures and all rejects; p is their quotient.",
        "Second loop: for each row `spread = 3 * (p * (1 - p) / n) ** 0.5`. It has to be inside the loop, because n is another one each "
        "time.",
        "`if rejects / n > p + spread:` high, `elif rejects / n < p - spread:` low, `else` as expected; put it into the dictionary: "
        "`found[name] = ...`.",
    ]
    praise = ("A funnel says where to ask, and not who is guilty. The answer to the question may be a room, a patient group or a console: "
              "next you look at what they expose.")

    def cases(draw, technologists):
        found = [technologists]
        for _ in range(7):
            rows = [(f"T{number:02d}", n := draw.randrange(100, 260), round(n * draw.uniform(0.085, 0.115))) for number in range(1, 15)]
            rows += [("T15", 240, draw.randrange(44, 47)), ("T16", 190, draw.randrange(0, 3)), ("T17", 150, 6),
                     ("T18", 40, 8), ("T19", 5, 2), ("T20", 5, 2), ("T21", 5, 2), ("T22", 6, 2), ("T23", 30, 0), ("T24", 200, 31),
                     ("T25", 220, 60), ("T27", 5, 3), ("T28", 6, 4)]
            rows += [("T26", 12, 5)] * draw.randrange(2)
            draw.shuffle(rows)
            found.append(rows)
        for _ in range(2):
            # A few make most of it, and more is rejected there: the middle is theirs.
            rows = [(f"T{number:02d}", n := draw.randrange(26, 40), round(n * 0.1)) for number in range(1, 15)]
            rows += [(f"T{number:02d}", n := draw.randrange(700, 900), round(n * 0.14)) for number in range(15, 18)]
            draw.shuffle(rows)
            found.append(rows)
            # One makes a third of it, and pulls the middle along.
            rows = [(f"T{number:02d}", n := draw.randrange(170, 190), round(n * 0.1)) for number in range(1, 15)]
            rows.append(("T15", draw.randrange(1190, 1210), 158))
            draw.shuffle(rows)
            found.append(rows)
        for base in (0.03, 0.25, 0.45):
            # Other middles; and people just inside and just outside of the limits, on both sides.
            rows = [(f"T{number:02d}", n := draw.randrange(150, 400), round(n * base)) for number in range(1, 13)]
            edges = [(220, 3.25), (9000, 3.015), (9000, 2.93), (9000, -3.015), (9000, -2.93)]
            rows += [(f"T{number}", n, round(n * base)) for number, (n, _) in enumerate(edges, 21)]
            for _ in range(8):                                                 # each of them pulls the middle a little: until it stays
                for place, (n, sd) in enumerate(edges, 12):
                    rows[place] = (rows[place][0], n, _rejects_at(rows[:place] + rows[place + 1:], n, sd))
            draw.shuffle(rows)
            found.append(rows)
        # Every second exposure is rejected: 14 and 2 of 16 lie on the limits, exactly.
        rows = [(f"T{number:02d}", n := 2 * draw.randrange(80, 200), n // 2) for number in range(1, 9)]
        rows += [("T21", 16, 14), ("T22", 16, 2), ("T23", 16, 15), ("T24", 16, 1)]
        draw.shuffle(rows)
        found.append(rows)
        return [(rows,) for rows in found]


def _rejects_at(rest, n, sd):
    """How many rejects of n put somebody just so many standard deviations or a little more from the middle, together with the rest."""
    x = round(n * _together(rest))
    while True:
        p = _together([*rest, ("", n, x)])
        if abs(x / n - p) >= abs(sd) * math.sqrt(p * (1 - p) / n) or not 0 < x < n:
            return x
        x += 1 if sd > 0 else -1


def _together(rows):
    return sum(x for _, _, x in rows) / sum(n for _, n, _ in rows)


def _verdicts(rows, sd=3, centre=None, size=None, low=True):
    """The verdicts of a funnel plot: {name: verdict}. `size` stands for everybody's n where it is given."""
    p = _together(rows) if centre is None else centre
    found = {}
    for name, n, x in rows:
        spread = sd * math.sqrt(p * (1 - p) / (size or n))
        found[name] = "high" if x / n > p + spread else "low" if low and x / n < p - spread else "as expected"
    return found


def _ratio(value):
    """A ratio, as a number or as text such as "1,54"."""
    return float(value.lower().replace(",", ".").strip(" x\u00d7")) if isinstance(value, str) else value


def _remark_on_ratios(case, given):
    """The first technologist whose ratio is not right, with what it has to be reckoned from."""
    (table,), said = case, {str(row[0]): row[-1] for row in given.rows}
    right = _ratios(table)
    if not set(said) <= set(right):
        return None
    gone = sorted(set(right) - set(said))
    if gone:
        return f"`{gone[0]}` is missing. Everybody gets a ratio, also with few exposures, and without a reject, where it is 0."
    try:
        ratios = {name: float(_ratio(one)) for name, one in said.items()}
    except (TypeError, ValueError, OverflowError):
        return None
    wrong = [name for name in right if not abs(ratios[name] - right[name]) <= 0.011]
    if not wrong:
        return None
    near = all(abs(ratios[name] - right[name]) <= 0.04 * right[name] for name in wrong)
    rounded = " What is not right is near: was something rounded on the way, a rate or what is expected?" if near else ""
    return f"`{wrong[0]}` is not right, {ratios[wrong[0]]:.4g} in what you return. {_about_table(table, wrong[0])}{rounded}"


def _about_table(table, name=None):
    """What stands in a department's table, for one technologist, the first by name where none is given."""
    name = name or min(table["technologist"])
    own = table[table["technologist"] == name]
    exams = ", ".join(f"{n} {part}" for part, n in zip(own["body_part"], own["exposures"]))
    several = bool(table.duplicated(["technologist", "body_part"]).any())
    again = " (Some have several rows of one body part. All of them count.)" if several else ""
    return (f"`{name}` has {own['rejects'].sum()} rejects, and made {exams}. Each of these counts times the rate of its body part, of all "
            f"people in the table that your function gets.{again}")


@lesson.exercise
class CaseMix:
    """Write `standardised(table)`. `table` is a DataFrame with the columns `technologist`, `body_part`, `exposures` and `rejects`. Return
    for each technologist the ratio of **observed to expected** rejects, as a dictionary, a Series or a table with the columns
    `technologist` and `ratio`:

    - the rate of a body part is that of all technologists together;
    - expected is what somebody would have rejected with these rates and their own exposures.

    1.0 means: as the department does, oneself included, with the same exams. Take all rows, those without a reject and those with few
    exposures as well; somebody may have several for one body part, such as one for each quarter. Round nothing on the way.
    """

    answer = Function("standardised", result=Table("ratios", entries=("technologist", "ratio"), tolerance=0.011,
                                                   reading={"ratio": _ratio}, spare=["exposures", "rejects", "expected"]),
                      about=_about_table, remark=_remark_on_ratios)
    points = 3

    def solution(table):
        parts = table.groupby("body_part", as_index=False)[["exposures", "rejects"]].sum()
        parts["rate"] = parts["rejects"] / parts["exposures"]
        joined = table.merge(parts[["body_part", "rate"]], on="body_part")
        joined["expected"] = joined["exposures"] * joined["rate"]
        sums = joined.groupby("technologist")[["rejects", "expected"]].sum()
        return (sums["rejects"] / sums["expected"]).to_dict()

    def crude(table):
        totals, p = _totals(table)
        return {name: x / n / p for name, (n, x) in totals.items()}

    def upside_down(table):
        return {name: 1 / ratio if ratio else math.inf for name, ratio in _ratios(table).items()}

    def mean_of_ratios(table):
        rates, found = _part_rates(table), {}
        for name, part, n, x in table.itertuples(index=False):
            found.setdefault(name, []).append(x / (n * rates[part]))
        return {name: sum(some) / len(some) for name, some in found.items()}

    def mean_of_part_rates(table):
        parts = {}
        for _, part, n, x in table.itertuples(index=False):
            parts.setdefault(part, []).append(x / n)
        return _ratios(table, {part: sum(some) / len(some) for part, some in parts.items()})

    def without_oneself(table):
        found = {}
        for name in sorted(set(table["technologist"])):
            rates = _part_rates(table[table["technologist"] != name])
            own = table[table["technologist"] == name]
            found[name] = own["rejects"].sum() / sum(n * rates[part] for part, n in zip(own["body_part"], own["exposures"]))
        return found

    def direct(table):
        _, p = _totals(table)
        mix = table.groupby("body_part")["exposures"].sum()
        found = {}
        for name, part, n, x in table.itertuples(index=False):
            found.setdefault(name, []).append((mix[part], x / n))
        return {name: sum(m * share for m, share in some) / sum(m for m, _ in some) / p for name, some in found.items()}

    def difference(table):
        rates, found = _part_rates(table), {}
        for name, part, n, x in table.itertuples(index=False):
            found[name] = found.get(name, 0) + x - n * rates[part]
        return found

    def in_percent(table):
        return {name: 100 * ratio for name, ratio in _ratios(table).items()}

    def ratio_minus_one(table):
        return {name: ratio - 1 for name, ratio in _ratios(table).items()}

    def adjusted_rate(table):
        return {name: ratio * _totals(table)[1] for name, ratio in _ratios(table).items()}

    def one_decimal(table):
        return {name: round(ratio, 1) for name, ratio in _ratios(table).items()}

    def exposures_of_all(table):
        made, rates, observed, expected = table.groupby("body_part")["exposures"].sum(), _part_rates(table), {}, {}
        for name, part, _, x in table.itertuples(index=False):
            observed[name] = observed.get(name, 0) + x
            expected[name] = expected.get(name, 0) + made[part] * rates[part]
        return {name: observed[name] / expected[name] for name in observed}

    def expected_only(table):
        rates, expected = _part_rates(table), {}
        for name, part, n, _ in table.itertuples(index=False):
            expected[name] = expected.get(name, 0) + n * rates[part]
        return expected

    def by_rates_in_percent(table):
        return {name: ratio / 100 for name, ratio in _ratios(table).items()}

    def merged_whole(table):
        parts = table.groupby("body_part", as_index=False)[["exposures", "rejects"]].sum()
        parts["rate"] = parts["rejects"] / parts["exposures"]
        joined = table.merge(parts, on="body_part")
        joined["expected"] = joined["exposures"] * joined["rate"]
        sums = joined.groupby("technologist")[["rejects", "expected"]].sum()
        return (sums["rejects"] / sums["expected"]).to_dict()

    wrong_ways = {
        crude: "You divide the own rate by the department's, all exams together. Whoever makes hips and spines looks bad so, and whoever "
        "makes chests looks good: that is the mix, and not the work (Simpson's paradox).",
        upside_down: "That is expected out of observed: whoever rejects twice as much as expected has 0.5 with you.",
        mean_of_ratios: "You take the ratio of each body part and then their mean: two hips count as much as a hundred chests. Add up "
        "the observed and the expected rejects first, and divide once.",
        mean_of_part_rates: "Your rate of a body part is the mean of the technologists' rates. Whoever made it twice counts there as "
        "much as whoever made it two hundred times. Take all rejects out of all exposures of that part.",
        without_oneself: "Your rates leave out the person who is looked at. That can be done, and makes differences a little larger; the "
        "question says: of all technologists together.",
        direct: "That is direct standardisation: own rates with the department's mix. It stands on own rates of exams that somebody made "
        "three times; and whoever never made a hip has none. Asked is the indirect way: the department's rates, the own exposures.",
        difference: "That is observed minus expected, a number of images. It grows with the work done; asked is the ratio.",
        ratio_minus_one: "You give how far the ratio is from 1. Asked is the ratio itself, observed divided by expected.",
        adjusted_rate: "You multiply the ratio by the department's rate, which makes an adjusted rate of it. Asked is the ratio: "
        "1 means as expected.",
        one_decimal: "The ratios are rounded to one decimal. Leave them as they are, or take two: 1.15 and 1.24 are not the same.",
        exposures_of_all: "You take the exposures of the whole department for what is expected, and not the own ones. After a merge with "
        "all columns of `parts`, `exposures_x` are the own ones and `exposures_y` those of the body part.",
        expected_only: "You return what is expected, a number of rejects. Asked is the ratio: observed divided by expected.",
        by_rates_in_percent: "Your ratios are a hundred times too small: the rates are in percent with you. For what is expected take "
        "fractions, rejects divided by exposures.",
        merged_whole: "Both tables had columns `exposures` and `rejects`; so `merge` calls them `exposures_x` (of the first table) and "
        "`exposures_y` (of the second), and no column has the old name. Take along only what you need: "
        "`parts[[\"body_part\", \"rate\"]]`.",
        in_percent: "These are percentages; where observed is as expected, the ratio is 1.",
    }
    hints = [
        "Rates first: `parts = table.groupby(\"body_part\", as_index=False)[[\"exposures\", \"rejects\"]].sum()`, and a column `rate`.",
        "`joined = table.merge(parts[[\"body_part\", \"rate\"]], on=\"body_part\")` puts the rate of its body part beside each row; then "
        "`joined[\"expected\"]` is exposures times rate.",
        "Group `joined` by technologist, sum `rejects` and `expected`, and divide the one sum by the other. What you return may be that "
        "Series.",
    ]
    praise = ("Indirect standardisation, the same arithmetic as a hospital's standardised mortality ratio. It corrects for what is in the "
              "table: children, weight and the shift are not.")

    def cases(draw):
        import pandas

        usual = {"CHEST": 0.08, "HAND": 0.09, "HIP": 0.20, "LSPINE": 0.22}
        found = []
        for _ in range(2):
            rows = []
            for number in range(1, 9):
                factor, hard = (1.7, 0) if number == 1 else (0.85, 1) if number == 2 else (draw.uniform(0.8, 1.2), draw.randrange(2))
                for part, rate in usual.items():
                    heavy = part in ("HIP", "LSPINE")
                    n = draw.randrange(60, 90) if heavy == bool(hard) else draw.randrange(4, 20)
                    if not (number == 3 and part == "HIP"):
                        rows.append((f"T{number}", part, n, max(1, round(n * rate * factor))))
            draw.shuffle(rows)
            found.append(pandas.DataFrame(rows, columns=["technologist", "body_part", "exposures", "rejects"]))
        # The first person rejects much of what is seldom rejected; one has small rows only, one two of a part, one never rejects.
        rows = [("T1", "SINUS", 200, 10), ("T1", "CHEST", 60, 9), ("T2", "SINUS", 289, 2), ("T2", "HAND", 150, 0), ("T2", "HIP", 30, 5),
                ("T3", "HIP", 4, 2), ("T3", "LSPINE", 3, 1), ("T3", "CHEST", 2, 0), ("T3", "HAND", 1, 0),
                ("T4", "CHEST", draw.randrange(70, 90), 3), ("T4", "CHEST", 40, 8), ("T4", "LSPINE", 30, 0),
                ("T5", "CHEST", draw.randrange(50, 70), 0), ("T5", "HIP", 20, 0), ("T5", "HAND", 40, 0),
                ("T6", "HAND", draw.randrange(90, 120), 14), ("T6", "LSPINE", 60, 15), ("T6", "HIP", 40, 9)]
        draw.shuffle(rows)
        found.append(pandas.DataFrame(rows, columns=["technologist", "body_part", "exposures", "rejects"]))
        return [(table,) for table in found]


def _totals(table):
    """({technologist: (exposures, rejects)}, the rate of all)."""
    sums = table.groupby("technologist")[["exposures", "rejects"]].sum()
    return {name: (n, x) for name, n, x in sums.itertuples()}, sums["rejects"].sum() / sums["exposures"].sum()


def _part_rates(table):
    sums = table.groupby("body_part")[["exposures", "rejects"]].sum()
    return (sums["rejects"] / sums["exposures"]).to_dict()


def _ratios(table, rates=None):
    """Observed out of expected rejects by technologist, with these rates of the body parts or those of all."""
    rates, observed, expected = rates or _part_rates(table), {}, {}
    for name, part, n, x in table.itertuples(index=False):
        observed[name] = observed.get(name, 0) + x
        expected[name] = expected.get(name, 0) + n * rates[part]
    return {name: observed[name] / expected[name] for name in observed}


MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def month(text):
    """A month as people write it, as "2024-03"."""
    if isinstance(text, (datetime.date, datetime.datetime)):
        return f"{text:%Y-%m}"
    text = str(text).strip().lower()
    found = re.fullmatch(r"(\d{4})[-/.](\d{1,2})(?:[-/.]\d{1,2}(?:[ t].*)?)?", text)
    if found:
        return f"{found[1]}-{int(found[2]):02d}"
    found = re.fullmatch(r"(20\d\d)(0[1-9]|1[0-2])", text)
    if found:
        return f"{found[1]}-{found[2]}"
    found = re.fullmatch(r"(\d{1,2})[-/.](\d{4})", text)
    if found:
        return f"{found[2]}-{int(found[1]):02d}"
    found = re.fullmatch(r"([a-z]{3})[a-z]*\.? ?(\d{4})?", text)
    if found and found[1] in MONTHS:
        return f"{found[2] or 2024}-{MONTHS.index(found[1]) + 1:02d}"
    if re.fullmatch(r"\d{1,2}", text) and 1 <= int(text) <= 12:
        return f"2024-{int(text):02d}"
    raise ValueError("it is no month such as 2023-03")


class Months(Set):
    """Months, as a set of values; rows of the table that has them in the column `month` will do as well."""

    def read(self, given):
        if is_library(given, "pandas", "DataFrame"):
            frame = sys.modules["pandas"].DataFrame(given)
            if "month" in frame.columns:
                given = list(frame["month"])
        return super().read(given)

    def judge(self, exercise, given, editions):
        verdict = super().judge(exercise, given, editions)
        if verdict.label in ("incomplete", "above_only", "value", "missing"):
            late = [one for one in exercise.computed(exercise.solution, editions.own) if one >= "2024-10"]
            if late and self.difference(self.read(*given), self.read(late)) is None:
                told = ("All of yours are from October on. If you made the months of numbers: `\"2024-7\"` is no month of the table, "
                        "`\"2024-07\"` is; and where pandas finds no row it divides nothing by nothing, with no more than a warning.")
                return Verdict(verdict.outcome, f"{told} {verdict.message}", verdict.label)
        return verdict


def beyond(returns, sd=3, expected="month", size=None, sides="both"):
    """The months of 2024 beyond their limits: a list of "2024-03".

    expected : "month", the share of the same calendar month in 2022 and 2023 together; "all", of all months of these years; "with", of
               the same month in all three years; "2022" or "2023", of that year's month; "mean", the mean of both years' shares
    size     : stands for each month's exposures in the limits, where it is given; "past", those of the months that it is compared with
    sides    : "both", "above"; "own", both with limits from the month's own share
    """
    counts = {one: (int(n), int(x)) for one, n, x in returns.itertuples(index=False)}
    found = []
    for one, (n, x) in counts.items():
        if one.startswith("2024"):
            past = [both for other, both in counts.items()
                    if (expected == "all" or other[5:] == one[5:]) and (expected == "with" or other[:4] != "2024")
                    and (expected not in ("2022", "2023") or other[:4] == expected)]
            before = sum(exposures for exposures, _ in past)
            p = sum(rejects for _, rejects in past) / before
            if expected == "mean":
                p = sum(rejects / exposures for exposures, rejects in past) / len(past)
            q = x / n if sides == "own" else p
            spread = sd * math.sqrt(q * (1 - q) / (before if size == "past" else size or n))
            if x / n > p + spread or sides != "above" and x / n < p - spread:
                found.append(one)
    return found


@lesson.exercise
class MonthsBeyond:
    """Which months of **2024** are beyond their limits at CR_ER1? Give them as `beyond`, a list such as `["2024-01", "2024-02"]`.

    - Expected in a month is the share rejected in the **same calendar month of 2022 and 2023 together**, $p$.
    - The limits are $p \\pm 3\\sqrt{p(1-p)/n}$, with that month's own $n$. Beyond is above the upper one or below the lower one.
    """

    answer = Months("beyond", reading=month)
    points = 2

    def solution(returns):
        found = []
        for month in ("01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"):
            past = returns[returns["month"].isin(["2022-" + month, "2023-" + month])]
            p = past["rejects"].sum() / past["exposures"].sum()
            now = returns[returns["month"] == "2024-" + month]
            n = now["exposures"].sum()
            share = now["rejects"].sum() / n
            if abs(share - p) > 3 * (p * (1 - p) / n) ** 0.5:
                found.append("2024-" + month)
        return found

    def one_line_for_all_months(returns):
        return beyond(returns, expected="all")

    def judged_by_itself(returns):
        return beyond(returns, expected="with")

    def two_sd(returns):
        return beyond(returns, sd=2)

    def one_size_for_all(returns):
        return beyond(returns, size=returns["exposures"].mean())

    def above_only(returns):
        return beyond(returns, sides="above")

    def only_the_year_before(returns):
        return beyond(returns, expected="2023")

    def only_two_years_before(returns):
        return beyond(returns, expected="2022")

    def mean_of_two_shares(returns):
        return beyond(returns, expected="mean")

    def own_share_in_the_limits(returns):
        return beyond(returns, sides="own")

    def size_of_the_past(returns):
        return beyond(returns, size="past")

    def action_level(returns):
        return [one for one, n, x in returns.itertuples(index=False) if one.startswith("2024") and x / n > 0.10]

    wrong_ways = {
        one_line_for_all_months: "You compare each month with one line for the whole year. In summer stand-ins work there, every year: a "
        "known season is no signal, and the alarm that comes each July is soon heard by nobody.",
        judged_by_itself: "You have what is far below, and nothing of what is above. Either you look at one side only; or the months of "
        "2024 are among what they are compared with, so that a change pulls its own line up behind it and hides.",
        only_the_year_before: "These are the months beyond when only 2023 is the comparison. What was high or low there by chance makes "
        "signals of nothing: take 2022 and 2023 together, all rejects out of all exposures.",
        only_two_years_before: "These are the months beyond when only 2022 is the comparison, as in the example for 2023. Now there are "
        "two years: take 2022 and 2023 together, all rejects out of all exposures.",
        mean_of_two_shares: "Your p is the mean of two shares. In one of the past months few were exposed, and so its share counts as "
        "much as the other year's seven hundred. It is the rejects of both out of the exposures of both.",
        own_share_in_the_limits: "A month in your list lies inside its limits. Three things lead there: limits from the month's own share, "
        "where under the root stands the p of the past (if the month were like those before, how far could chance carry it?); limits "
        "narrower than 3 standard deviations; or a month that slipped in.",
        size_of_the_past: "Your limits come from the number of exposures in the months before. How far chance carries a month depends on "
        "that month's own n.",
        two_sd: "Your limits are at 2 standard deviations: one month in twenty is beyond these where nothing happened.",
        one_size_for_all: "You have one n for all months. In one month few were exposed, so its share may vary more; its limits are wider.",
        above_only: "You look for what is above only. A month nearly without rejects is a signal too: was nothing rejected, or nothing "
        "recorded?",
        action_level: "These are the months above a fixed action level. It knows neither the season nor how many were exposed; and a "
        "month nearly without rejects passes.",
    }
    hints = [
        "Take one month by hand, as the cell above does for one of 2023: the rows of the years before, p, n, limits, share.",
        "Then a loop over `[\"01\", \"02\", ..., \"12\"]`, in which `past = returns[returns[\"month\"].isin([\"2022-\" + month, "
        "\"2023-\" + month])]`.",
        "`if abs(share - p) > 3 * (p * (1 - p) / n) ** 0.5:` catches both sides.",
        "`abs()` makes a difference positive. If you write two conditions instead: `share > p + spread or share < p - spread`.",
    ]
    praise = ("Two things are left: one month in which hardly anything was recorded, and something that began in autumn and goes on. Each "
              "needs another call, and neither is *work more carefully*. The summers are as every summer, so they don't ring any more.")


GRAYS = {"\u00b5gy": 1, "\u03bcgy": 1, "ugy": 1, "microgray": 1, "mgy": 1e3, "milligray": 1e3, "ngy": 1e-3, "nanogray": 1e-3, "gy": 1e6,
         "gray": 1e6}                # in µGy; the micro sign and the Greek letter look alike


class Kerma(Number):
    """A number of µGy; the unit may be written with a u, and other parts of the gray are converted. Whoever forgot the room is told so."""

    def read(self, given):
        found = re.fullmatch(r"\s*([+-]?[\d.,]{1,40})\s*([a-z\u00b5\u03bc]{2,10}?)s?\s*", given.lower()) if type(given) is str else None
        scale = found and GRAYS.get(found[2])
        return tuple(number * scale for number in super().read(found[1])) if scale else super().read(given)

    def judge(self, exercise, given, editions):
        verdict = super().judge(exercise, given, editions)
        if verdict.label not in ("value", "close", "factor"):
            return verdict
        numbers = [number for number in self.read(*given) if abs(number) < 1e9]
        log, right = exercise.lesson.input_of("log", editions.own), exercise.computed(exercise.solution, editions.own)
        told = {
            "all rooms": (log[log["reason"] != "test"]["ei"].sum() / 100, 0.06, "The mammography room's indices are in your sum. That is "
                          "another room, and a scale that IEC 62494-1 does not cover: take the rows of DX_CH1 only."),
            "all rows": (log["ei"].sum() / 100, 0.06, "All rows of the log are in your sum: the tests, and the mammography room, whose "
                         "scale IEC 62494-1 does not cover. Take the rows of DX_CH1, without tests."),
            "milli": (right / 1000, 0.0006, "That would be right in mGy. Asked are µGy: a thousand µGy are one mGy."),
            "ten": (right * 10, 0.6, "Ten times too much: EI = 100 × K, so what you divide by is 100."),
            "tenth": (right / 10, 0.006, "Ten times too little: EI = 100 × K, so what you divide by is 100."),
            "every line": (_helio_kerma(exercise.lesson.input_of("reject_logs", editions.own)), 0.06, "That is the kerma of all lines of "
                           "Helio's export, the accepted images and the tests among them. Asked is what went into the rejects."),
            "rounded": (round(right), 1e-9, "Right, but rounded to a whole number: one decimal is asked."),
        }
        for label, (value, near, sentence) in told.items():
            if any(abs(number - value) <= near for number in numbers):
                return Verdict(Outcome.NOT_YET, sentence, label)
        return verdict


def _helio_kerma(reject_logs):
    """The kerma of all lines of helio's export, in µGy."""
    return sum(float(row["EI"]) for row in csv.DictReader(io.StringIO(reject_logs["helio"], newline=""), delimiter=";")) / 100


@lesson.exercise
class WastedKerma:
    """How much air kerma at the detector went into the **console's** rejects of **DX_CH1**, in µGy, to one decimal? `kerma`, from `log`:
    exposures of patients only, added up. (What was withdrawn in the archive later is not in `log`.)

    IEC 62494-1 makes the exposure index proportional to the air kerma at the detector: EI = 100 µGy⁻¹ × K.
    """

    answer = Kerma("kerma", unit="µGy", tolerance=0.06)

    def solution(log):
        rejects = log[(log["room"] == "DX_CH1") & (log["reason"] != "test")]
        return rejects["ei"].sum() / 100

    def with_tests(log):
        return log[log["room"] == "DX_CH1"]["ei"].sum() / 100

    def index_as_dose(log):
        return log[(log["room"] == "DX_CH1") & (log["reason"] != "test")]["ei"].sum()

    def mean_only(log):
        return log[(log["room"] == "DX_CH1") & (log["reason"] != "test")]["ei"].mean() / 100

    def all_on_target(log):
        return ((log["room"] == "DX_CH1") & (log["reason"] != "test")).sum() * 250 / 100

    def exposure_faults_only(log):
        return log[(log["room"] == "DX_CH1") & (log["reason"] == "exposure")]["ei"].sum() / 100

    def multiplied(log):
        return log[(log["room"] == "DX_CH1") & (log["reason"] != "test")]["ei"].sum() * 100

    wrong_ways = {
        with_tests: "The test exposures are in your sum. They expose a phantom, on purpose.",
        index_as_dose: "That is the sum of the indices. EI is 100 times the kerma in µGy.",
        mean_only: "That is the kerma of one reject, on average. Asked is what all of them took together.",
        all_on_target: "You gave each reject the target index. Rejects are not on target; some were rejected for that: add up their own "
        "indices.",
        exposure_faults_only: "You took the rejects for a wrong exposure only. A picture with cut-off anatomy has exposed the patient as "
        "well.",
        multiplied: "You multiplied by 100. If EI = 100 × K, then K is EI divided by 100.",
    }
    hints = [
        "The rows: `log[\"room\"] == \"DX_CH1\"`, and no tests.",
        "Add up the column `ei`.",
        "EI = 100 × K, so K = EI / 100, in µGy.",
    ]
    praise = ("Kerma at the detector, behind the patient. It is no dose: two exposures with the same EI may have given very different "
              "doses. For a dose take the dose-area product of each exposure, where a console keeps it for rejects.")


def _reason(policy, part, kind, side):
    """Why a policy accuses, misses or comes late with people of this kind, as a sentence that is true of it; "" when none is known."""
    sd = policy["high_sd"] if side == "high" else policy["low_sd"]
    quarters = f"{policy['quarters']} quarters together" if policy["quarters"] > 1 else "one quarter by itself"
    row = f", {policy['in_a_row']} times in a row" if policy["in_a_row"] > 1 else ""
    if part == "accused":
        if policy["compare"] == "all" and (kind, side) in (("hard", "high"), ("hidden", "low")):
            return "You compare hips with chests: who makes the difficult exams is accused for that." if kind == "hard" else \
                "You compare chests with hips: who makes the easy exams looks too good."
        if kind == "stand-in" and side == "high":
            return "You judge on few exposures, where one restless patient gives most of the rejects."
        if not row:
            still = " And a bad quarter is still in the sum when the next one is added." if policy["quarters"] > 1 else ""
            return (f"One time beyond {sd:g} standard deviations is enough for you. 24 people are looked at anew each quarter: so many "
                    f"looks find somebody by chance.{still}")
        return f"Beyond {sd:g} standard deviations{row} happens by chance, too, where 24 people are looked at for three years."
    if TRUTH[kind] == "low" and policy["low_sd"] is None:
        return "You never look below: who records nothing keeps the best rate of the department."
    if part == "missed" and policy["least"] > policy["quarters"] * KINDS[kind][2][1]:
        return "With so many exposures asked, they are never looked at."
    if kind == "hidden" and policy["compare"] == "all":
        return "Compared with all exams, hips among them, who makes easy exams stays within the limits."
    if kind == "part time" and policy["quarters"] == 1 and sd >= 2.5:
        return "One quarter by itself is too small there: no reject out of about fifty is still within the limits. Add up quarters."
    seen = "often not seen" if part == "missed" else "often seen too late"
    return f"With {quarters}, beyond {sd:g} standard deviations{row}, that is {seen}."


WHAT = {"high": "for too many rejects", "low": "for too few"}


def _faults_of(out, policy):
    """What is not good enough over many departments, as sentences."""
    found, many = [], out["departments"]
    accused, allowed = out["accused"].total(), ACCUSED * many // 100
    if accused > allowed:
        (kind, side), count = _most_first(out["accused"])[0]
        found.append(f"Too many false accusations: {accused} in {many} departments, where {allowed} are allowed. The most, {count}, are "
                     f"called in {WHAT[side]}, and what was found: {_found_with(kind, side, 'accused', out['compare'])}. "
                     f"{_reason(policy, 'accused', kind, side)}{_near(accused, allowed)}")
    lost, may = out["missed"].total() + out["late"].total(), (100 - FOUND) * out["wanted"] // 100
    if lost > may:
        part = max(("missed", "late"), key=lambda name: out[name].total())
        (kind, side), count = _most_first(out[part])[0]
        found.append(f"Of {out['wanted']} people to be found, {out['missed'].total()} are never found and {out['late'].total()} later than "
                     f"{LIMIT} quarters after it began, where {may} are allowed, both together. Most of the {part}, {count}: somebody who "
                     f"{KINDS[kind][4]}. {_reason(policy, part, kind, side)}{_near(lost, may)}")
    return found


def _near(count, limit):
    """A sentence for a policy that is so near to a limit that chance decides."""
    return " So near to the limit chance decides which hundreds of departments it does well in: leave a margin." \
        if count <= limit + 3 * math.sqrt(limit) else ""


@lesson.exercise
class ThePolicy:
    """Write the policy by which the department acts, a dictionary:

    | part | what it says |
    |---|---|
    | `compare` | `"all"`: with the rate of all exams together; `"same exams"`: with what is expected for the own exams |
    | `least` | fewest exposures in the time looked at; who has fewer is not judged |
    | `high_sd`, `low_sd` | how many standard deviations above or below what is expected is beyond, 0.5 to 10; `None` for `low_sd`: never |
    | `quarters` | how many quarters are added up and looked at together (each quarter anew), 1 to 8 |
    | `in_a_row` | how many times in a row somebody must be beyond before anybody acts, 1 to 8 |

    The rates are those of all people together in the quarters that are looked at. With $n$ exposures of an exam whose rate is $p$ a
    standard deviation is $\\sqrt{np(1-p)}$ rejects; with several exams $np(1-p)$ is added up under the root. With `quarters` 2 the first
    look comes after two quarters, and then each quarter is looked at together with the one before.

    Chance accuses somebody under every policy, and hides somebody. It is good enough when in two hundred departments, over the twelve
    quarters,

    - **at most 20 people are accused falsely**: one in ten departments, which is one in thirty years of work of one department;
    - of the 800 who are to be found (four in each: two reject too much, two do not record), **at least 760 are found within three
      quarters** after the quarter in which it began: 95 of a hundred.

    `department.replay(policy)` shows one department, person by person: what does well in one may have been lucky. So
    `department.elsewhere(policy)` counts the same in two hundred others. The check takes these, and two more lots of two hundred that you
    do not see. Each has to be good enough by itself, and chance falls otherwise in each: leave a margin.
    """

    answer = Config("policy", reading=policy_of, called="a policy", shape="a dictionary",
                    unseen="Good in the 200 departments that you see, but not in 200 others. There: ",
                    template="policy = {\n" + "".join(f'    "{part}": ...,\n' for part in PARTS) + "}")
    points = 4

    def solution():
        return {"compare": "same exams", "least": 50, "high_sd": 3, "low_sd": 3, "quarters": 2, "in_a_row": 2}

    def all_exams_alike():
        return {**ThePolicy.solution(), "compare": "all"}

    def at_once():
        return {**ThePolicy.solution(), "quarters": 1, "in_a_row": 1}

    def two_sd():
        return {**ThePolicy.solution(), "high_sd": 2, "low_sd": 2}

    def low_is_good():
        return {**ThePolicy.solution(), "low_sd": None}

    def everybody_counts():
        return {**ThePolicy.solution(), "least": 0}

    def large_ones_only():
        return {**ThePolicy.solution(), "least": 450}

    def single_quarters():
        return {**ThePolicy.solution(), "quarters": 1}

    def five_sd():
        return {**ThePolicy.solution(), "high_sd": 5, "low_sd": 5}

    def a_whole_year():
        return {**ThePolicy.solution(), "in_a_row": 4}

    wrong_ways = {
        all_exams_alike: "You compare hips with chests. Who makes the difficult exams is accused for that, and who rejects too much of "
        "easy ones stays near the department's rate and is often missed.",
        at_once: "You act on a single quarter. 24 people in twelve quarters are looked at 288 times, and each time on two sides: some are "
        "beyond 3 standard deviations by chance. And who works part time and records nothing is hardly ever beyond, because one quarter "
        "is too small.",
        two_sd: "At 2 standard deviations chance alone accuses, even twice in a row: two quarters that are added up share one with the "
        "next two.",
        low_is_good: "You never look below. Who deletes at the console keeps the best rate of the department.",
        everybody_counts: "You judge on a handful of exposures. Rejects come in clusters: one restless patient gives four, and the "
        "stand-in of that night is accused.",
        large_ones_only: "With so many exposures asked nobody is ever looked at.",
        single_quarters: "Each quarter by itself is too small for who works part time: no reject out of fifty is still within the "
        "limits. Add up quarters.",
        five_sd: "Nothing but the grossest is beyond 5 standard deviations: who rejects nearly twice as much as others passes.",
        a_whole_year: "You wait until it has been so for a year or more. Hardly anybody is accused falsely, and all is too late.",
    }
    hints = [
        "Begin with what exercises 4 and 5 taught: 3 standard deviations, both sides, the same exams. Look at "
        "`department.elsewhere(policy)`, which counts by what was found.",
        "Among the false accusations: people with few exposures? Then raise `least`, but not so far that who works part time (about fifty "
        "in a quarter) falls out. People who work as others do? That is chance: ask for more standard deviations, or for more than one "
        "time in a row.",
        "Somebody missed, or found late? More quarters together see smaller differences. More times in a row, or wider limits, see them "
        "later.",
        "Try `quarters` and `in_a_row` at 1, 2 and 3 each, at 3 standard deviations.",
    ]
    praise = ("A policy that was tried before it met people. None is without false accusations: put their number, the delay and who is "
              "missed on the slide for the works council. They will ask for just these.")

    def trial(settings, hospital):
        return {"policy": settings, **run_policy(others(hospital.seed), settings)}

    def faults(outcome):
        return _faults_of(outcome, outcome["policy"])
