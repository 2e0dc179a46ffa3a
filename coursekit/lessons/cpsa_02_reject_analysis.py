"""Reject analysis: the exercises of lesson cpsa-02."""

import csv
import datetime
import io
import math
import re

from coursekit.checking import Config, Fields, Function, Lesson, Number, Set, Table, Text
from coursekit.checking.reading import plain
from coursekit.errors import CourseError
from coursekit.hospital.audit import Lot
from coursekit.hospital.draws import Draws

lesson = Lesson(
    "cpsa-02",
    title="Reject analysis",
    version=1,
    minutes=90,
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
        "generator": "equipment", "name": "patient identification", "pat": "patient identification", "qc": "test", "flat": "test",
        "test": "test",
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
    """The three exports as one table of what was not accepted: room, technologist, body_part, action, reason, ei (EI, where it is told)."""
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
                found.append((row["operator"], part, row["action"].lower(), SiteReason.solution(vendor, row["comment"]), math.nan))
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
def pair(hospital):
    """Two technologists of the department in 2024, called A and B: technologist, exam, exposures, rejects. A makes the hips and spines."""
    import pandas

    made = lesson.input_of("department", hospital)
    kinds = {"A": "hard", "B": "hidden"}
    rows = []
    for letter, wanted in kinds.items():
        name = min(name for name, (kind, _) in made.people.items() if kind == wanted)
        for exam in USUAL:
            n, x = (sum(quarter[exam][side] for quarter in made.counts[name][8:]) for side in (0, 1))
            rows.append((letter, exam, n, x))
    return pandas.DataFrame([row for row in rows if row[2]], columns=["technologist", "exam", "exposures", "rejects"])


@lesson.input
def ratios(hospital):
    """Own rate out of the department's (`crude`), and observed out of expected rejects (`standardised`), by technologist."""
    import pandas

    table = lesson.input_of("by_exam", hospital)
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

QUARTERS = [f"{year}-Q{quarter}" for year in (2022, 2023, 2024) for quarter in (1, 2, 3, 4)]
USUAL = {"CHEST": 0.08, "EXTREMITY": 0.09, "HIP": 0.20, "SPINE": 0.20}               # share rejected, by exam
MIXES = {"usual": (40, 40, 10, 10), "easy": (50, 50, 0, 0), "hard": (2, 3, 50, 45)}     # percent of a person's exams
LIMIT = 3                                                                           # quarters until something must have been done
# kind: (how many, mix, exposures a quarter, share of the usual rejects in permille, begins in one of the quarters, what was found)
KINDS = {
    "high": (1, "usual", (170, 210), 2200, "rejects more than twice as much as others with the same exams"),
    "hidden": (1, "easy", (190, 210), 1780, "makes easy exams only, and rejects nearly twice as much as others do of these"),
    "silent": (1, "usual", (170, 200), 60, "deletes at the console, and records hardly a reject"),
    "part time": (1, "usual", (52, 56), 0, "works two days a week, and records no reject"),
    "hard": (2, "hard", (170, 200), 1000, "makes the hips and spines"),
    "stand-in": (3, "usual", (8, 11), 1000, "stands in on some nights; one restless patient gave six rejects"),
    "unlucky": (4, "usual", (150, 210), 1000, "had one bad quarter, by chance"),
    "ordinary": (11, "usual", (120, 220), 1000, "works as others do"),
}
TRUTH = {"high": "high", "hidden": "high", "silent": "low", "part time": "low"}


class Department:
    """Twenty-four technologists over twelve quarters, with counts by exam, and what was the matter with each, as later talks showed.

    people  : {name: (kind, index of the quarter in which it began, or None)}
    counts  : {name: a list by quarter of {exam: (exposures, rejects)}}
    """

    def __init__(self, seed):
        lot = Lot(Draws(seed, "reject policy"))
        names = [f"T{number:02d}" for number in range(1, 1 + sum(kind[0] for kind in KINDS.values()))]
        self.people, self.counts = {}, {}
        for kind, (many, mix, size, permille, _) in KINDS.items():
            for number in range(many):
                name = names.pop(lot.below(len(names)))
                begins = lot.between(4, 7) if kind in TRUTH else None
                bad = lot.between(3, 8)                                     # the quarter of the bad luck
                self.people[name] = (kind, begins)
                self.counts[name] = [self._quarter(lot, kind, number, mix, size, permille, begins, place, bad)
                                     for place in range(len(QUARTERS))]

    def __repr__(self):
        return f"<{len(self.people)} technologists, {QUARTERS[0]} to {QUARTERS[-1]}; table(), replay(policy)>"

    @staticmethod
    def _quarter(lot, kind, number, mix, size, permille, begins, place, bad):
        """{exam: (exposures, rejects)} of one person and quarter. Chance is bounded; what goes beyond is planted."""
        exposures = lot.between(*size)
        parts = {exam: round(exposures * percent / 100) for exam, percent in zip(USUAL, MIXES[mix])}
        factor = permille / 1000 if begins is not None and place >= begins else 1.0
        expected = sum(n * USUAL[exam] for exam, n in parts.items())
        spread = math.sqrt(sum(n * USUAL[exam] * (1 - USUAL[exam]) for exam, n in parts.items()))
        shift = lot.between(-90, 90) / 100
        spike, beside = {2: (3.3, 0.0), 3: (3.4, -0.25)}.get(number, (3.5, -0.3))
        if kind == "unlucky":
            shift = {0: spike, 1: beside, -1: beside}.get(place - bad, shift) * (-1 if number == 3 else 1)
        elif kind in TRUTH:
            shift *= 0.4
        rejects = max(0, round(expected * factor + shift * spread * math.sqrt(factor)))
        if kind == "stand-in":
            rejects = lot.below(3) if number else 6 if place == bad else 1
        # Shared out among the exams as is usual: whole numbers first, what is left by the largest remainder.
        due = {exam: rejects * parts[exam] * USUAL[exam] / expected for exam in USUAL}
        shared = {exam: min(int(one), parts[exam]) for exam, one in due.items()}
        for exam in sorted(USUAL, key=lambda exam: shared[exam] - due[exam]):
            if sum(shared.values()) < rejects and shared[exam] < parts[exam]:
                shared[exam] += 1
        return {exam: (parts[exam], shared[exam]) for exam in USUAL}

    def table(self):
        """The counts as a DataFrame: quarter, technologist, exam, exposures, rejects."""
        import pandas

        return pandas.DataFrame([(QUARTERS[place], name, exam, *both) for name, quarters in sorted(self.counts.items())
                                 for place, quarter in enumerate(quarters) for exam, both in quarter.items() if both[0]],
                                columns=["quarter", "technologist", "exam", "exposures", "rejects"])

    def replay(self, policy):
        """What would have come of a policy, a dictionary: a Replay."""
        try:
            return Replay(self, run_policy(self, policy_of(plain(policy))))
        except ValueError as problem:
            raise CourseError(f"The policy can't be used as it is: {problem}.") from None


class Replay:
    """What came of a policy. `outcome` holds it as a dictionary."""

    def __init__(self, department, outcome):
        self._department, self.outcome = department, outcome

    def __repr__(self):
        out = self.outcome
        lines = [f"{'acted on':10} {'who':5} {'side':5} what was found when somebody asked"]
        for name, side, place in out["acted"]:
            kind, _ = self._department.people[name]
            right = TRUTH.get(kind) == side
            lines.append(f"{QUARTERS[place]:10} {name:5} {side:5} {'' if right else 'FALSE ACCUSATION: '}{KINDS[kind][4]}")
        counts = [len(out[name]) for name in ("accused", "missed", "late")]
        lines += ["", "false accusations {}, missed {}, later than three quarters {}".format(*counts)]
        return "\n".join(lines)


PARTS = ("compare", "least", "high_sd", "low_sd", "quarters", "in_a_row")


def policy_of(value):
    """A policy as it is used: a dict with compare, least, high_sd, low_sd (None: never), quarters, in_a_row. Raises ValueError."""
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
            number = float(number)
        except (TypeError, ValueError):
            raise ValueError(f"`{name}` is a number; {number!r} is none") from None
        number = abs(number) if name == "low_sd" else number                # "3 below" and "-3" mean the same
        low, high, whole = {"least": (0, 5000, True), "quarters": (1, 8, True), "in_a_row": (1, 8, True)}.get(name, (0.5, 10, False))
        if not low <= number <= high or whole and number != int(number):
            raise ValueError(f"`{name}` is a {'whole ' if whole else ''}number from {low} to {high}")
        read[name] = int(number) if whole else number
    return read


def run_policy(department, policy):
    """Apply a policy quarter by quarter, as if nobody knew what comes next.

    Returns a dict: `acted`, a list of (name, side, index of the quarter); `accused`, `missed` and `late`, sorted lists of (name, side).
    """
    names, running = sorted(department.people), {name: {"high": 0, "low": 0} for name in department.people}
    acted = {}
    for place in range(policy["quarters"] - 1, len(QUARTERS)):
        sums = {name: {exam: [sum(quarter[exam][side] for quarter in department.counts[name][place + 1 - policy["quarters"]:place + 1])
                              for side in (0, 1)] for exam in USUAL} for name in names}
        groups = [[exam] for exam in USUAL] if policy["compare"] == "same exams" else [list(USUAL)]
        rates = {}
        for group in groups:
            n, rejects = (sum(sums[name][exam][side] for name in names for exam in group) for side in (0, 1))
            rates |= dict.fromkeys(group, rejects / n)
        for name in names:
            n, observed = (sum(both[side] for both in sums[name].values()) for side in (0, 1))
            expected = sum(sums[name][exam][0] * rates[exam] for exam in USUAL)
            spread = math.sqrt(sum(sums[name][exam][0] * rates[exam] * (1 - rates[exam]) for exam in USUAL))
            beyond = {"high": n >= policy["least"] and observed > expected + policy["high_sd"] * spread,
                      "low": n >= policy["least"] and policy["low_sd"] is not None and observed < expected - policy["low_sd"] * spread}
            for side in ("high", "low"):
                running[name][side] = running[name][side] + 1 if beyond[side] else 0
                if running[name][side] == policy["in_a_row"]:
                    acted.setdefault((name, side), place)
    accused, late = [], []
    for (name, side), place in acted.items():
        kind, begins = department.people[name]
        if TRUTH.get(kind) != side or place < begins:
            accused.append((name, side))
        elif place > begins + LIMIT:
            late.append((name, side))
    missed = [(name, TRUTH[kind]) for name, (kind, _) in department.people.items() if kind in TRUTH and (name, TRUTH[kind]) not in acted]
    return {"acted": sorted(((name, side, place) for (name, side), place in acted.items()), key=lambda one: (one[2], one)),
            "accused": sorted(accused), "missed": sorted(missed), "late": sorted(late)}


# --- exercises

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

    answer = Function("site_reason", result=Text("reason"))
    points = 2

    def solution(vendor, text):
        words = VOCABULARY[vendor]
        text = text.strip().lower()
        reason = "other"
        if vendor == "marlin":
            for word in text.split():
                for beginning in words:
                    if reason == "other" and word.startswith(beginning):
                        reason = words[beginning]
        elif text in words:
            reason = words[text]
        return reason

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

    wrong_ways = {
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
        "For helio and orbis: `if text in words: return words[text]`, and at the end `return \"other\"`.",
        "For marlin two loops, one inside the other: `for word in text.split():` and in it `for beginning in words:`.",
        "Inside: `if word.startswith(beginning): return words[beginning]`. Where nothing was returned, `\"other\"` is left.",
    ]
    praise = ("Now three rooms speak one language. Keep the vocabulary as a table that somebody owns; after each update of a console look "
              "at what became other.")

    def cases(draw):
        texts = {
            "helio": ["Positioning", "Clipped anatomy", "Under/overexposed", "Patient motion", "Artifact", "Equipment failure",
                      "Wrong patient data", "Test", "Other", "", "Rejected", "Test pattern", "Positioning aid left in", "11"],
            "orbis": ["11", "12", "21", "31", "41", "42", "51", "90", "99", "77", "", "1", "110"],
            "marlin": ["nipple not in profile", "pos.", "positioning", "PNL too short", "cut off", "axilla missing", "too light", "exp",
                       "AEC cell wrong", "moved", "motion blur", "Motion", "hair", "artefact", "paddle error", "generator", "wrong name",
                       "wrong pat.", "QC", "daily flat field", "test", "?", "", "see note", "image underexposed", "overexposed again",
                       "bad pos", "breast moved, hair", "hair and motion", "light, nipple not seen", "latest detector", "shortcut key hit",
                       "chairs", "patient identification", "Artifact at edge", "tube removed", "Exposure", "repositioned"],
        }
        found = []
        for vendor, some in texts.items():
            for text in some:
                form = draw.choice((str, str.upper, str.lower, lambda one: f" {one} ", str))
                found.append((vendor, form(text)))
        found += [("helio", "CLIPPED ANATOMY"), ("helio", " Patient motion"), ("orbis", "42 "), ("marlin", "MOTION"), ("marlin", "image "
        "underexposed")]
        draw.shuffle(found)
        return found


NEAR = 0.051                     # percentage points: a rate with one decimal is right


def rates(log, archive_images, notes, tests=False, repeats=False, codes=("113001",), out_of="all"):
    """The reject rate of each room in percent, by one of many definitions: {room: percent}. What the words mean: see `RejectRates`.

    out_of : "all", what was exposed; "images", what the archive has; "twice", with the late rejects added once more
    """
    found = {}
    for room, images in zip(archive_images["room"], archive_images["images"]):
        mine = log[log["room"] == room]
        counted = mine if tests else mine[mine["reason"] != "test"]
        rejects = len(counted) if repeats else int((counted["action"] == "reject").sum())
        late = int(((notes["room"] == room) & notes["code"].isin(codes)).sum())
        below = int(images) + (0 if out_of == "images" else rejects) + (late if out_of == "twice" else 0)
        found[room] = 100 * (rejects + late) / below
    return found


def _percent(value):
    """A percentage, as a number or as text such as "12.5 %"."""
    return float(value.replace("%", "").replace(",", ".")) if isinstance(value, str) else value


def _rate_remark(room, column, given, right, value):
    """Which definition comes closest to the rate that was given, as a sentence; None when none comes near."""
    log, images, notes = (value(name) for name in ("log", "archive_images", "notes"))
    inputs = [log, images[images["room"] == room.upper()], notes]
    if type(given) not in (int, float):
        return None
    if abs(100 * given - right) < NEAR:
        return "It is a fraction; the column is in percent."
    every = ("113001", "113010", "113037", "113038")
    said = {(): "no image counts that was withdrawn in the archive", every: "all notes count, and not only those for quality",
            "images": "it is out of the archive's images, and not of all exposures",
            "twice": "the withdrawn images are counted twice below the line"}
    found = []
    for tests in (False, True):
        for repeats in (False, True):
            for codes in (("113001",), (), every):
                for out_of in ("all", "images", "twice"):
                    parts = ["the tests count"] * tests + ["what marlin calls a repeat counts, although the archive has it"] * repeats
                    parts += [said[one] for one in (codes, out_of) if one in said]
                    off = abs(rates(*inputs, tests, repeats, codes, out_of)[room.upper()] - given)
                    if off < NEAR and parts:
                        found.append((round(off, 3), len(parts), parts))
    return f"In your number {', and '.join(min(found)[2])}." if found else None


@lesson.exercise
class RejectRates:
    """Give the reject rate of each room over the 90 days, in percent with at least one decimal: `rates`, a dictionary such as
    `{"DX_CH1": ..., "CR_ER1": ..., "MG1": ...}` (a table with the columns `room` and `percent` will do as well).

    The committee counts as **AAPM Report 305** does, and takes the mammography room with it:

    - a **reject** is an exposure of a patient that was never presented to a radiologist; tests of the equipment are none;
    - what was sent to the archive is no reject, even if the console calls it a repeat;
    - but an image that was withdrawn in the archive **for quality**, by a rejection note, is one (that is the hospital's own rule);
    - the rate is rejects out of **all exposures of patients**. The archive's count holds the repeats that were sent there and the images
      that were withdrawn later.
    """

    answer = Table("rates", entries=("room", "percent"), tolerance=NEAR, remark=_rate_remark, reading={"percent": _percent},
                   spare=["images", "rejects", "late", "exposures"])
    points = 3

    def solution(log, archive_images, notes):
        rejects = log[(log["reason"] != "test") & (log["action"] == "reject")]
        late = notes[notes["code"] == "113001"]
        rates = {}
        for room in ["DX_CH1", "CR_ER1", "MG1"]:
            images = archive_images[archive_images["room"] == room]["images"].sum()
            rejected = (rejects["room"] == room).sum()
            withdrawn = (late["room"] == room).sum()
            rates[room] = 100 * (rejected + withdrawn) / (images + rejected)
        return rates

    def with_tests(log, archive_images, notes):
        return rates(log, archive_images, notes, tests=True)

    def out_of_the_accepted(log, archive_images, notes):
        return rates(log, archive_images, notes, out_of="images")

    def consoles_only(log, archive_images, notes):
        return rates(log, archive_images, notes, codes=())

    def every_note(log, archive_images, notes):
        return rates(log, archive_images, notes, codes=("113001", "113010", "113037", "113038"))

    def every_quality_word(log, archive_images, notes):
        return rates(log, archive_images, notes, codes=("113001", "113010"))

    def withdrawn_twice(log, archive_images, notes):
        return rates(log, archive_images, notes, out_of="twice")

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
        out_of_the_accepted: "You divide by the images that were accepted. A rejected exposure is an exposure too: rejects belong below "
        "the line as well. The error grows with the rate, so it makes bad rooms look worse.",
        consoles_only: "You count what the consoles know. Some images were sent to the archive and withdrawn there for quality: the "
        "patient was exposed, and no radiologist should read them.",
        every_note: "You count every note. Look at `meaning`: a wrong worklist entry is a good image under a wrong name, and *Quality "
        "Issue* (PS3.16 CID 7010) only draws attention; IHE's rejection for quality has a title of its own (RAD TF-2 4.66).",
        every_quality_word: "You count each title with the word quality. *Quality Issue* (PS3.16 CID 7010) draws attention to an image "
        "that stays in use; only one title withdraws it for quality (IHE RAD TF-2 4.66, IOCM).",
        withdrawn_twice: "You add the withdrawn images to the exposures as well. They are in the archive's count already: so they move "
        "from the good to the rejected, and the sum below the line stays.",
        a_fraction: "These are fractions; the column is in percent.",
        shares_of_the_rejects: "That is how the rejects are shared among the rooms. A room that works much rejects much; a rate is "
        "rejects out of that room's own exposures.",
    }
    hints = [
        "Three tables, three numbers for each room: `archive_images` has the images; of `log` count the rows that are rejects of "
        "patients; of `notes` those that withdraw for quality.",
        "Rows of `log` that count: `log[(log[\"reason\"] != \"test\") & (log[\"action\"] == \"reject\")]`. In `notes` look which `code` "
        "has which `meaning`.",
        "Then a loop: `for room in [\"DX_CH1\", \"CR_ER1\", \"MG1\"]:`, and in it `(rejects[\"room\"] == room).sum()` counts "
        "the rows of one room.",
        "Above the line: rejects of the consoles and withdrawn images. Below it: what the archive has, and what never came there. Which "
        "of the four numbers is in another one already?",
    ]
    praise = ("One definition for three rooms. Write it on the slide beside the number: most quarrels about reject rates are about the "
              "line between the numbers and not about the work.")


@lesson.exercise
class WilsonInterval:
    """Write `wilson(rejects, exposures)`: the 95 % interval of a rate by Wilson's score method, as `(low, high)`, fractions from 0 to 1.
    With $x$ rejects of $n$ exposures, $p = x/n$ and $z = 1.96$:

    $$\\frac{p + \\frac{z^2}{2n} \\pm z\\sqrt{\\frac{p(1-p)}{n} + \\frac{z^2}{4n^2}}}{1 + \\frac{z^2}{n}}$$

    Where nothing was exposed nothing is known: return `(0, 1)`.
    """

    answer = Function("wilson", result=Fields(
        "interval", {"low": Number("", tolerance=0.0105), "high": Number("", tolerance=0.0105)}, in_order=True,
        takes="two numbers, low and high"))
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
        found = [(0, 4), (1, 4), (0, 0), (3, 12), (12, 12), (0, 143), (60, 217)]
        for _ in range(20):
            n = draw.choice((draw.randrange(3, 12), draw.randrange(20, 400), draw.randrange(1000, 3000)))
            found.append((draw.randrange(0, n // 3 + 1), n))
        return found


@lesson.exercise
class WhoDiffers:
    """Write `who_differs(rows)`. `rows` is a list of `(name, exposures, rejects)`; return a dictionary from each name to `"high"`, `"low"`
    or `"as expected"`, by a funnel plot:

    - the middle is the rate $p$ of all together: all rejects out of all exposures;
    - the limits of somebody with $n$ exposures are $p \\pm 3\\sqrt{p(1-p)/n}$;
    - whose rate is above the upper limit is high, below the lower one low.

    The check calls it for departments that you do not see.
    """

    answer = Function("who_differs", result=Table("verdicts", entries=("name", "verdict")))
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

    def zero_is_suspect(rows):
        return {name: "low" if x == 0 else verdict for (name, n, x), verdict in zip(rows, _verdicts(rows).values())}

    wrong_ways = {
        low_is_good: "You look at the upper limit only. No rejects at all from somebody who exposed hundreds is no merit: rejects that "
        "are not recorded look just like that (Report 305: rates too high *or too low* may show that quality control fails).",
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
                     ("T25", 220, 60)]
            rows += [("T26", 12, 5)] * draw.randrange(2)
            draw.shuffle(rows)
            found.append(rows)
        return [(rows,) for rows in found]


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


@lesson.exercise
class CaseMix:
    """Write `standardised(table)`. `table` is a DataFrame with the columns `technologist`, `body_part`, `exposures` and `rejects`. Return
    for each technologist the ratio of **observed to expected** rejects, as a dictionary, a Series or a table with the columns
    `technologist` and `ratio`:

    - the rate of a body part is that of all technologists together;
    - expected is what somebody would have rejected with these rates and their own exposures.

    1.0 means: as all others do, with the same exams.
    """

    answer = Function("standardised", result=Table("ratios", entries=("technologist", "ratio"), tolerance=0.011,
                                                   spare=["exposures", "rejects", "expected"]))
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
        return {name: 1 / ratio for name, ratio in _ratios(table).items()}

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
    found = re.fullmatch(r"(\d{1,2})[-/.](\d{4})", text)
    if found:
        return f"{found[2]}-{int(found[1]):02d}"
    found = re.fullmatch(r"([a-z]{3})[a-z]*\.? ?(\d{4})?", text)
    if found and found[1] in MONTHS:
        return f"{found[2] or 2024}-{MONTHS.index(found[1]) + 1:02d}"
    if re.fullmatch(r"\d{1,2}", text) and 1 <= int(text) <= 12:
        return f"2024-{int(text):02d}"
    raise ValueError("it is no month such as 2024-03")


def beyond(returns, sd=3, expected="month", size=None, above_only=False):
    """The months of 2024 beyond their limits: a list of "2024-03".

    expected : "month", the share of the same calendar month in 2022 and 2023 together; "all", of all months of these years; "with", of
    the same
               month in all three years
    size     : stands for each month's exposures in the limits, where it is given
    """
    counts = {one: (int(n), int(x)) for one, n, x in returns.itertuples(index=False)}
    found = []
    for one, (n, x) in counts.items():
        if one.startswith("2024"):
            past = [both for other, both in counts.items()
                    if (expected == "all" or other[5:] == one[5:]) and (expected == "with" or other[:4] != "2024")]
            p = sum(rejects for _, rejects in past) / sum(exposures for exposures, _ in past)
            spread = sd * math.sqrt(p * (1 - p) / (size or n))
            if x / n > p + spread or not above_only and x / n < p - spread:
                found.append(one)
    return found


@lesson.exercise
class MonthsBeyond:
    """Which months of **2024** are beyond their limits at CR_ER1? Give them as `beyond`, a list such as `["2024-01", "2024-02"]`.

    - Expected in a month is the share rejected in the **same calendar month of 2022 and 2023 together**, $p$.
    - The limits are $p \\pm 3\\sqrt{p(1-p)/n}$, with that month's own $n$. Beyond is above the upper one or below the lower one.
    """

    answer = Set("beyond", reading=month)
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
        return beyond(returns, above_only=True)

    def action_level(returns):
        return [one for one, n, x in returns.itertuples(index=False) if one.startswith("2024") and x / n > 0.10]

    wrong_ways = {
        one_line_for_all_months: "You compare each month with one line for the whole year. In summer stand-ins work there, every year: a "
        "known season is no signal, and the alarm that comes each July is soon heard by nobody.",
        judged_by_itself: "The months of 2024 are among what they are compared with. So a change pulls its own line up behind it, and "
        "hides. Limits come from the time before.",
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
        "To look at it: collect each month's p in a list `expected`, and call `quality.p_chart(rows_2024, centre=expected)`.",
    ]
    praise = ("Three things are in these months: a list that was not kept, something that began in autumn and goes on, and summers that "
              "were no signal. Each needs another call, and none of them is *work more carefully*.")


@lesson.exercise
class WastedKerma:
    """How much air kerma at the detector went into the rejects of **DX_CH1**, in µGy, to one decimal? `kerma`, from `log`: exposures of
    patients only, added up.

    IEC 62494-1 makes the exposure index proportional to the air kerma at the detector: EI = 100 µGy⁻¹ × K.
    """

    answer = Number("kerma", unit="µGy", tolerance=0.06)

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
    praise = ("Kerma at the detector, behind the patient: not the patient's dose, which is many times that and depends on thickness and "
              "beam. But for one room and one mix of exams it goes up and down with it, and it is in every log that tells EI.")


@lesson.exercise
class ThePolicy:
    """Write the policy by which the department acts, a dictionary:

    | part | what it says |
    |---|---|
    | `compare` | `"all"`: with the rate of all exams together; `"same exams"`: with what is expected for the own exams |
    | `least` | fewest exposures in the time looked at; who has fewer is not judged |
    | `high_sd`, `low_sd` | how many standard deviations above or below what is expected is beyond; `None` for `low_sd`: never |
    | `quarters` | how many quarters are added up and looked at together (each quarter anew) |
    | `in_a_row` | how many times in a row somebody must be beyond before anybody acts |

    It is good enough when, over the twelve quarters,

    - **nobody is accused falsely**;
    - **nobody is missed**: neither who rejects too much nor who does not record;
    - something is done **within three quarters** after the quarter in which it began.

    `department.replay(policy)` tells you where you are. The check replays your policy on departments that you do not see as well.
    """

    answer = Config("policy", reading=policy_of, template="policy = {\n" + "".join(f'    "{part}": ...,\n' for part in PARTS) + "}")
    points = 4

    def solution():
        policy = {"compare": "same exams", "least": 50, "high_sd": 3, "low_sd": 3, "quarters": 2, "in_a_row": 2}
        return policy

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
        "easy ones stays below the department's rate and is missed.",
        at_once: "You act on a single quarter. Among 24 people and twelve quarters some are beyond 3 standard deviations by chance, or "
        "by one bad month; and who works part time and records nothing is never beyond, because one quarter is too small.",
        two_sd: "At 2 standard deviations chance alone accuses. One talk about a bad quarter that was none, and nobody records rejects "
        "any more.",
        low_is_good: "You never look below. Who deletes at the console keeps the best rate of the department.",
        everybody_counts: "You judge on a handful of exposures. Rejects come in clusters: one restless patient gives six, and the "
        "stand-in of that night is accused.",
        large_ones_only: "With so many exposures asked hardly anybody is ever looked at, and who works part time never.",
        single_quarters: "Each quarter by itself is too small for who works part time: no reject out of fifty is still within the "
        "limits. Add up quarters.",
        five_sd: "Nothing but the grossest is beyond 5 standard deviations: who rejects nearly twice as much as others passes.",
        a_whole_year: "You wait until it has been so for a year or more. Nobody is accused falsely, and all is too late.",
    }
    hints = [
        "Begin with what exercises 4 and 5 taught: 3 standard deviations, both sides, the same exams. Replay it.",
        "The first column of the replay says when somebody was acted on, the last what was found. Read the false accusations: few "
        "exposures, or one bad quarter?",
        "Few exposures: raise `least`, but not so far that who works part time (about fifty in a quarter) falls out. A bad quarter: look "
        "at several together, or ask for more than one in a row.",
        "More quarters together see smaller differences, but later. Try `quarters` and `in_a_row` at 1, 2 and 3 each.",
    ]
    praise = ("A policy that was tried before it met people. Put its false accusations and its delay on the slide for the works council: "
              "those two numbers are what they will ask for.")

    def trial(settings, hospital):
        return run_policy(lesson.input_of("department", hospital), settings)

    def faults(outcome):
        found = []
        if outcome["accused"]:
            (name, side), many = outcome["accused"][0], len(outcome["accused"])
            what = "rejects too much" if side == "high" else "does not record rejects"
            found.append(f"False accusations: {many}. The first is that {name} {what}; when somebody asked, nothing was the matter.")
        if outcome["missed"]:
            name, side = outcome["missed"][0]
            what = "rejects too much" if side == "high" else "does not record rejects"
            found.append(f"Missed: {len(outcome['missed'])}. {name} {what}, and the policy never acts.")
        if outcome["late"]:
            name, side = outcome["late"][0]
            found.append(f"Too late: {len(outcome['late'])}. Until the policy acts on {name} more than {LIMIT} quarters pass.")
        return found
