"""Prefetching and routing: the exercises of lesson cpas-09."""

import dataclasses
import re

from coursekit.checking import Choice, Config, Fields, Function, Kind, Lesson, Number, Outcome, Set
from coursekit.checking.kinds.base import Difference
from coursekit.checking.reading import Unclear, Unreadable, describe, plain, single
from coursekit.checking.verdict import Verdict
from coursekit.errors import CourseError
from coursekit.hospital import router as prefetch
from coursekit.hospital.catalogue import EXPLICIT, JPEG_BASELINE, JPEG_LOSSLESS
from coursekit.hospital.draws import Draws

lesson = Lesson(
    "cpas-09",
    title="Prefetching and routing",
    version=2,
    minutes=110,
    objectives=[
        "say of each prior whether the reader of an exam needs it, and write that down as rules with modality, body part and series "
        "description",
        "reckon when a fetch must start and what the line must carry, and keep up with cancelled and moved exams",
        "read the answers to a C-MOVE, and route new images to the workstations that can show them",
    ],
    covers=["configure prefetching algorithms at a PACS router, based on modality and series description"],
    needs=["cpas-01"],
)

IMPLICIT, JPEG_2000 = "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.90"

# What the question tables say; the notebook gets them as inputs, the solutions use the same names.
REGION = {
    "CHEST": "chest", "THORAX": "chest", "PORT CXR": "chest", "ABDOMEN": "abdomen", "ABD": "abdomen", "ABDOMENPELVIS": "abdomen",
    "HEAD": "head", "SKULL": "head", "BRAIN": "head", "KNEE": "knee", "knee": "knee", "HIP": "hip", "CSPINE": "neck", "C SPINE": "neck",
}
ACCEPTS = {
    "HV_PACS": [IMPLICIT, EXPLICIT, JPEG_LOSSLESS, JPEG_BASELINE],
    "WS_CH1": [IMPLICIT, EXPLICIT, JPEG_LOSSLESS],
    "WS_MG1": [IMPLICIT, EXPLICIT, JPEG_LOSSLESS],
    "WS_ED1": [IMPLICIT, EXPLICIT],
}

OLD_RULES = [
    {"modality": [modality], "prior_modality": [modality], "body_part": "", "count": 6, "years": 10, "hours": 0.05}
    for modality in ("CT", "MR", "CR", "DX", "MG")
]
EVERYTHING = [{"modality": ["CR", "DX", "CT", "MR", "MG"], "prior_modality": ["CR", "DX", "CT", "MR", "MG", "US", "NM", "PT", "XA", "RF"],
               "body_part": "", "count": 12, "years": 10, "hours": 12}]
WANTED = {"hit": 95, "group": 75, "waste": 30, "late": 2, "busy": 15}


class Router:
    """HV_ROUTER on the exams of the past month: tries rules and says what would have come of them."""

    def __init__(self, exams):
        self._exams = exams

    def __repr__(self):
        return f"<HV_ROUTER: {len(self._exams)} exams; replay(rules)>"

    def replay(self, rules):
        """A Report on what comes of `rules`, a list of dictionaries."""
        return Report(prefetch.replay(self._exams, _read(rules)))

    def moves(self, rules, day=0):
        """What is moved on one packed day: a list of coursekit.hospital.router.Move."""
        return [move for move in prefetch.moves(self._exams, _read(rules)) if move.exam.day == day]


def _read(rules):
    try:
        return prefetch.rules_of(plain(rules))
    except ValueError as problem:
        raise CourseError(f"The router does not take these rules: {problem}.") from None


class Report:
    """What came of a set of rules. `outcome` holds the numbers."""

    def __init__(self, outcome):
        self.outcome = outcome

    def __repr__(self):
        out = self.outcome
        lines = [
            f"hit    {out['hit']:5.1f} %  of the {out['opened']} priors that readers opened: there with all series they looked at",
            f"waste  {out['waste']:5.1f} %  of the {out['moved']:.1f} GB moved on a full day: nobody looked at them",
            f"late   {out['late']:5.1f} %  of the hits: there after the exam had begun (not counted: exams known less than 2 hours ahead)",
            f"busy   {out['busy']:5.1f} %  of the bytes: moved between 07:00 and 17:00 (not counted: exams known less than 12 hours ahead)",
            "", "hits by group of exams: " + ", ".join(f"{group} {hit:.1f} %" for group, hit in out["groups"].items()),
        ]
        if out["missing"]:
            lines.append("most misses: " + ", ".join(f"{kind} for {group} ({n})" for (group, kind), n in list(out["missing"].items())[:3]))
        if out["short"]:
            lines.append("priors moved, but without: " + ", ".join(f"{name} ({n})" for name, n in list(out["short"].items())[:3]))
        if out["unread"]:
            lines.append("nobody looked at (GB in all): "
                         + ", ".join(f"{name or 'no description'} {size:.1f}" for name, size in list(out["unread"].items())[:4]))
        if out["gone"]:
            lines.append(f"purged from the cache before the exam: {out['gone']} moves for opened priors")
        return "\n".join(lines)


# --- inputs

@lesson.input
def exams(hospital):
    """The exams of the past month in five groups, each with its priors: a list of coursekit.hospital.router.Exam.

    Hospitals write the names of the scanners' series each in its way: as typed, in capitals, with underscores.
    """
    write = (str, lambda name: name.replace(" ", "_"), str.upper, str)[hospital.seed % 4]
    return [exam._replace(priors=tuple(prior._replace(series=tuple(
        one._replace(description=write(one.description)) if one.modality in ("CT", "MR", "MG") else one
        for one in prior.series)) for prior in exam.priors)) for exam in prefetch.demand(hospital)]


@lesson.input
def router(hospital):
    """HV_ROUTER on these exams."""
    return Router(lesson.input_of("exams", hospital))


@lesson.input
def old_rules(hospital):
    """The rules that are in force: a list of dictionaries."""
    return [dict(rule) for rule in OLD_RULES]


@lesson.input
def full_day(hospital):
    """A full day by the old rules: a DataFrame, a row for each prior that was moved or opened; for two exams of a patient one row."""
    import pandas as pd
    day = [exam for exam in lesson.input_of("exams", hospital) if exam.day == 0]
    moved = {move.prior.uid for move in prefetch.moves(day, prefetch.rules_of(OLD_RULES))}
    rows = {}
    for exam in day:
        for prior in exam.priors:
            row = rows.setdefault(prior.uid, [
                exam.description, prior.description or "(no description)", sum(one.images for one in prior.series),
                round(sum(one.size for one in prior.series) / 1e6, 1), prior.uid in moved, False])
            row[5] = row[5] or prior.opened
    return pd.DataFrame([row for row in rows.values() if row[4] or row[5]], columns=["exam", "prior", "images", "mb", "moved", "opened"])


@lesson.input
def regions(hospital):
    """The router's table of body parts: a dict from the text in the header to a region."""
    return dict(REGION)


@lesson.input
def names(hospital):
    """Descriptions that the router meets: a dict with two lists, "exams" and "series"."""
    found = lesson.input_of("names_sorted", hospital)
    return {"exams": sorted(found["chest"][0] + found["chest"][1]), "series": sorted(found["thin"][0] + found["thin"][1])}


# In every edition: without each of these a pattern would pass that minds the case, is not anchored, or has no border on one side.
ALWAYS_EXAMS = (
    "Chest pa/lat", "Chest tube removal", "XR CHEST TUBE CHECK", "mr knee left", "MRN TO BE CORRECTED", "CT HEAD FOR MR PLANNING",
    "CHESTPAIN UNIT ECG", "XR HEMICHEST RIGHT", "XR CHEST FOR NG TUBE", "MR: KNEE LEFT", "MR", "CT CHEST/ABDOMEN", "XR CHEST, 2 VIEWS",
    "XR CHEST TWO VIEWS", "CHEST TRAUMA", "XR (CHEST) SUPINE", "CHESTER CLINIC CD", "MRM FOLLOW-UP US",
)
ALWAYS_SERIES = (
    "THIN 0.75 B70", "LUNG_1.0_THIN", "THIN_1.0 CHEST", "Lung (thin)", "Bone,thin 0.6", "Free breathing 3.0", "Cortex_thinned 3.0",
    "Cortex thinned 3.0", "Thinned 3.0", "Lung_within 3.0", "Recon2thin 1.0", "Lung thin2 B70", "Bone/thin 0.6", "Lung thin+soft 1.0",
    "thin1 B70", "Thinslice 1.0",
)
CHEST_MORE = ("Chest pa/lat", "CR chest 2 views", "xr chest lordotic", "CT Chest low dose", "MR CHEST WALL", "CHEST DECUBITUS LEFT",
              "CHEST: LATERAL", "CT CHEST+ABDOMEN", "CHEST TRANSPLANT", "XR CHEST-ABDOMEN NEWBORN")
CHEST_NOT = ("IR CHEST TUBE PLACEMENT", "Chest tube removal", "US CHEST TUBE SITE", "CT CHEST TUBE GUIDANCE")
MR_MORE = ("mr knee left", "MR-ANGIO NECK", "Mr brain follow-up", "MR/PET BRAIN", "mr spine", "MR ENTEROGRAPHY")
MR_NOT = ("MRN TO BE CORRECTED", "CT HEAD FOR MR PLANNING", "mrsa swab clinic", "XR SKULL PRE MR", "US POST MR BIOPSY",
          "MRO 3 SCREENING US")
THIN_MORE = ("THIN 0.75 B70", "Thin-slice 1.0", "recon thin", "bone thin 0.6", "Axial Thin", "thin mediastinum 1.0", "bone_thin",
             "Bone;thin 0.6", "Thin: lung 1.0")
THIN_NOT = ("Thin3 B50", "Thinly cut 1.0", "Thinned cortex view", "Everything 5.0", "Within 24h 3.0", "Smoothing 3.0", "Nothing to send")


@lesson.input
def names_sorted(hospital):
    """Name of a pattern -> (texts that it must find, texts that it must not): from the archive, and from other senders by chance."""
    draws = Draws(hospital.seed, "cpas-09 names")

    def some(texts):
        return [texts[place] for place in draws.sample(range(len(texts)), len(texts) - 2)]

    described = [row[0] for row in hospital.pacs.rows("SELECT DISTINCT description FROM study WHERE description IS NOT NULL", 20)[1]]
    series = [row[0] for row in hospital.pacs.rows("SELECT DISTINCT description FROM series WHERE description IS NOT NULL", 20)[1]]
    more = [text for texts in (CHEST_MORE, CHEST_NOT, MR_MORE, MR_NOT) for text in some(texts)]
    every_exam = {*described, *more, *ALWAYS_EXAMS}
    every_series = {*series, *some(THIN_MORE), *some(THIN_NOT), *ALWAYS_SERIES}
    chest = {text for text in every_exam if re.search(r"(?i)\bchest\b(?! tube)", text)}
    mr = {text for text in every_exam if re.match(r"(?i)mr\b", text)}
    thin = {text for text in every_series if re.search(r"(?i)(\b|_)thin(\b|_)", text)}
    return {"chest": (sorted(chest), sorted(every_exam - chest)), "mr": (sorted(mr), sorted(every_exam - mr)),
            "thin": (sorted(thin), sorted(every_series - thin))}


@lesson.input
def order_messages(hospital):
    """What the engine told the PACS about two orders, one moved and one cancelled: a DataFrame."""
    import pandas as pd
    stories = {}
    for message in hospital.feed:
        if message.receiver == "HV_PACS" and message.event == "ORM^O01" and not message.quirks:
            fields = {line[:3]: line.split("|") for line in reversed(message.text.split("\r"))}
            start = fields["ORC"][7].split("^")[3] if fields["ORC"][1] != "SC" else ""
            stories.setdefault(fields["OBR"][18], []).append(
                (message.at_utc, fields["ORC"][1], fields["OBR"][18], _moment(start), fields["OBR"][4].split("^")[1]))
    begins = {control: next((story for story in stories.values() if [row[1] for row in story][:2] == ["NW", control]), [])
              for control in ("XO", "CA")}
    return pd.DataFrame(begins["XO"] + begins["CA"], columns=["at_utc", "control", "accession", "start", "exam"])


def _moment(digits):
    """'2025-04-08 09:30' from the digits of HL7, "" from none."""
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:8]} {digits[8:10]}:{digits[10:12]}" if digits else ""


@lesson.input
def coming(hospital):
    """The priors of one exam, as the router would fetch them: a DataFrame with prior, tier and mb."""
    import pandas as pd

    def tiers(exam):
        return [prior.days > prefetch.ONLINE_DAYS for prior in exam.priors[:4]]

    fitting = [exam for exam in lesson.input_of("exams", hospital) if sum(tiers(exam)) >= 2 and not all(tiers(exam))]
    # One whose flowing takes some time as well, and not all of it for one study.
    exam = max(fitting, key=lambda exam: (sorted(sum(one.size for one in prior.series) for prior in exam.priors[:4])[-2], exam.accession))
    rows = [(prior.description or "(no description)", "nearline" if late else "online",
             round(sum(one.size for one in prior.series) / 1e6)) for prior, late in zip(exam.priors, tiers(exam))]
    return pd.DataFrame(rows, columns=["prior", "tier", "mb"])


@lesson.input
def by_hour(hospital):
    """What would be moved on a full day if all priors were, by the hour in which the exam begins: a DataFrame with hour, moves and gb."""
    import pandas as pd
    day = [exam for exam in lesson.input_of("exams", hospital) if exam.day == 0]
    found = {hour: [0, 0] for hour in range(24)}
    for move in prefetch.moves(day, prefetch.rules_of(EVERYTHING)):
        found[move.exam.begins // 3600][0] += 1
        found[move.exam.begins // 3600][1] += move.size
    return pd.DataFrame([(hour, count, round(size / 1e9, 2)) for hour, (count, size) in found.items()], columns=["hour", "moves", "gb"])


@lesson.input
def opened_log(hospital):
    """What readers opened: a DataFrame with exams (the group), prior, there (how many there were) and opened."""
    import pandas as pd
    found = {}
    for exam in lesson.input_of("exams", hospital):
        for prior in exam.priors:
            counts = found.setdefault((exam.group, prior.description or "(no description)"), [0, 0])
            counts[0] += 1
            counts[1] += prior.opened
    rows = sorted(((*key, *counts) for key, counts in found.items()), key=lambda row: (row[0], -row[3], -row[2], row[1]))
    return pd.DataFrame(rows, columns=["exams", "prior", "there", "opened"])


@lesson.input
def series_log(hospital):
    """The series of the priors that were opened: a DataFrame with modality, series, there, looked_at and mb_each."""
    import pandas as pd
    found = {}
    for exam in lesson.input_of("exams", hospital):
        for prior in exam.priors:
            for one in prior.series if prior.opened else ():
                counts = found.setdefault((one.modality, one.description), [0, 0, 0])
                counts[0] += 1
                counts[1] += one.looked_at
                counts[2] += one.size
    rows = [(*key, there, looked, round(size / there / 1e6, 1)) for key, (there, looked, size) in found.items()]
    rows.sort(key=lambda row: (row[0], -row[2], row[1]))
    return pd.DataFrame(rows, columns=["modality", "series", "there", "looked_at", "mb_each"])


@lesson.input
def body_parts(hospital):
    """Body Part Examined in the priors, as received, by study description: a DataFrame with prior, body_part and studies."""
    import pandas as pd
    found = {}
    for exam in lesson.input_of("exams", hospital):
        for prior in exam.priors:
            key = prior.description or "(no description)", prior.body_part or "(absent)"
            found.setdefault(key, set()).add(prior.uid)
    rows = sorted(((*key, len(uids)) for key, uids in found.items()), key=lambda row: (row[0], -row[2], row[1]))
    return pd.DataFrame(rows, columns=["prior", "body_part", "studies"])


def _dialogue(hospital, name):
    """The DIMSE messages of a capture, in order, each with the frame that completes it: a DataFrame."""
    import pandas as pd

    from coursekit.standards import pcap
    from coursekit.standards import upper_layer as ul
    shown = hospital.capture(name)
    packets = pcap.packets(shown.packets)
    rows = []
    for talk in pcap.connections(packets):
        ends = talk.client[0], talk.server[0]
        for side, stream in enumerate(talk.sent):
            at, pdus = 0, []
            for raw in ul.split(stream.data)[0]:
                at += len(raw)
                pdus.append(ul.decode(raw))
                told = ul.messages(pdus) if isinstance(pdus[-1], ul.Data) else []
                if told:
                    rows.append((stream.frame(at), ends[side], ends[1 - side], told[-1]))
                    pdus = []
    return pd.DataFrame([_row(shown.truth["hosts"], *row) for row in sorted(rows, key=lambda row: row[0])],
                        columns=["frame", "from", "to", "message", "destination", "status", "remaining", "completed", "failed", "warning"])


def _row(hosts, frame, sender, receiver, message):
    said = message.command
    status = f"{said['Status']:04X}" if "Status" in said else ""
    counts = [str(said.get(f"NumberOf{kind}Suboperations", "")) for kind in ("Remaining", "Completed", "Failed", "Warning")]
    return (frame, hosts[sender], hosts[receiver], message.name, said.get("MoveDestination", ""), status, *counts)


@lesson.input
def good_move(hospital):
    """The messages of a C-MOVE that works, from a capture: a DataFrame."""
    return _dialogue(hospital, "move")


@lesson.input
def bad_move(hospital):
    """The messages between the new viewing station and the archive, from a capture: a DataFrame."""
    return _dialogue(hospital, "move_unknown")


@lesson.input
def responses(hospital):
    """The router's log of eight moves of last night: a DataFrame with time, move, status and the four counts."""
    import pandas as pd
    draws = Draws(hospital.seed, "cpas-09 responses")
    ends = [("0000", 0, 0), ("0000", 0, 0), ("B000", 1, 0), ("B000", 0, 1), ("A801", 0, 0), ("A702", 1, 0), ("FE00", 0, 0), ("lost", 0, 0)]
    order = draws.raw(len(ends)).tolist()
    rows, at, first = [], 22 * 3600 + draws.one(0, 900), 10 * draws.one(31, 98) + 1
    for number, (_, (status, fails, warns)) in enumerate(sorted(zip(order, ends)), first):
        images = draws.one(40, 240)
        steps = [] if status in ("A801", "A702") else sorted(draws.sample(range(5, images - 5), draws.one(1, 3)).tolist())
        for done in steps:
            at += draws.one(2, 9)
            rows.append((_clock(at), number, "FF00", images - done, done, 0, 0))
        at += draws.one(2, 9)
        if status == "lost":
            at += 600                                     # the router waited, and then gave up
            continue
        failed, warned = fails * draws.one(2, 9), warns * draws.one(2, 9)
        stopped = steps[-1] + draws.one(1, 4) if status == "FE00" else images
        if status == "A801":
            stopped = 0
        if status == "A702":
            failed, stopped = images, images
        rows.append((_clock(at), number, status, images - stopped if status == "FE00" else 0, stopped - failed - warned, failed, warned))
    return pd.DataFrame(rows, columns=["time", "move", "status", "remaining", "completed", "failed", "warning"])


def _clock(seconds):
    seconds %= 86400
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


@lesson.input
def accepts(hospital):
    """Which transfer syntaxes each destination takes: a dict from AE title to a list of UIDs."""
    return {aet: list(uids) for aet, uids in ACCEPTS.items()}


# --- exercises

class BesideTheReplay(Fields):
    """Fields, where one number of the replay beside a right one is told as the replay's."""

    def judge(self, exercise, given, editions):
        verdict = super().judge(exercise, given, editions)
        if verdict.label not in ("value", "close", "factor"):
            return verdict
        way = next(way for way in exercise.wrong_ways if way.__name__ == "numbers_of_the_replay")
        answer, replay = self.read(*given), self.read(exercise.computed(way, editions.own))
        if self.entries["waste"].difference(answer["waste"], replay["waste"]) is None:
            return Verdict(Outcome.NOT_YET, exercise.wrong_ways[way], way.__name__)
        return verdict


@lesson.exercise
class HitAndWaste:
    """How good are the rules that are in force? Work it out from `full_day`, in per cent:

    - `hit`: of the priors that readers **opened**, how many (studies) had been moved;
    - `waste`: of the megabytes that were **moved**, how many belong to priors that nobody opened.

    One decimal is enough. (The numbers of the replay above are others: they count series, and the whole month.)
    """

    answer = BesideTheReplay("judged", {"hit": Number("", unit="%", tolerance=0.1), "waste": Number("", unit="%", tolerance=0.1)})
    points = 2

    def solution(full_day):
        hit = 100 * (full_day.moved & full_day.opened).sum() / full_day.opened.sum()
        waste = 100 * full_day[full_day.moved & ~full_day.opened].mb.sum() / full_day[full_day.moved].mb.sum()
        return {"hit": round(float(hit), 1), "waste": round(float(waste), 1)}

    def hits_of_the_moved(full_day):
        return {**HitAndWaste.solution(full_day), "hit": 100 * (full_day.moved & full_day.opened).sum() / full_day.moved.sum()}

    def hits_in_images(full_day):
        opened = full_day[full_day.opened]
        return {**HitAndWaste.solution(full_day), "hit": 100 * opened[opened.moved].images.sum() / opened.images.sum()}

    def hits_in_megabytes(full_day):
        opened = full_day[full_day.opened]
        return {**HitAndWaste.solution(full_day), "hit": 100 * opened[opened.moved].mb.sum() / opened.mb.sum()}

    def numbers_of_the_replay(full_day, router, old_rules):
        outcome = router.replay(old_rules).outcome
        return {"hit": outcome["hit"], "waste": outcome["waste"]}

    def hits_of_all_rows(full_day):
        return {**HitAndWaste.solution(full_day), "hit": 100 * (full_day.moved & full_day.opened).sum() / len(full_day)}

    def waste_in_studies(full_day):
        return {**HitAndWaste.solution(full_day), "waste": 100 * (full_day.moved & ~full_day.opened).sum() / full_day.moved.sum()}

    def waste_of_all_rows(full_day):
        return {**HitAndWaste.solution(full_day), "waste": 100 * full_day[full_day.moved & ~full_day.opened].mb.sum() / full_day.mb.sum()}

    def what_was_used(full_day):
        moved = full_day[full_day.moved]
        return {**HitAndWaste.solution(full_day), "waste": 100 * moved[moved.opened].mb.sum() / moved.mb.sum()}

    def misses(full_day):
        right = HitAndWaste.solution(full_day)
        return {**right, "hit": 100 - right["hit"]}

    def exchanged(full_day):
        right = HitAndWaste.solution(full_day)
        return {"hit": right["waste"], "waste": right["hit"]}

    wrong_ways = {
        misses: "Your `hit` is the share of the opened priors that had **not** been moved, the misses. Asked are those that had.",
        exchanged: "The two numbers have changed places: what you call `hit` is the waste, and the other way round.",
        hits_of_the_moved: "You divided by the priors that were moved. That says how much of the work was useful. The hit rate asks from "
        "the reader's chair: of those that were opened, how many were there?",
        hits_in_images: "You counted images. One thin CT would outweigh a hundred radiographs; but the reader waits once for each study. "
        "Count rows.",
        hits_in_megabytes: "You weighed the hits in megabytes. That is the measure of the waste; the reader waits once for each study, "
        "light or heavy. Count rows.",
        numbers_of_the_replay: "Those are the numbers of the replay above. Its hit is of the whole month, and its waste counts each series "
        "that nobody looked at. Here whole studies of one day are asked: count the rows of the table, and add up its `mb`.",
        hits_of_all_rows: "You divided by all rows. A prior that nobody opened is neither a hit nor a miss: it only matters for the waste.",
        waste_in_studies: "You counted studies. A line carries bytes, and a radiograph is not as heavy as a CT: add up `mb`.",
        waste_of_all_rows: "You divided by the megabytes of all rows, also of those that were opened but never moved. Waste is a share "
        "of what was moved.",
        what_was_used: "That is the share of the moved megabytes that was of use. Waste is the other part.",
    }
    hints = [
        "Both are a part divided by a whole. Say in words first what the whole is: the opened ones for `hit`, the moved bytes for `waste`.",
        "`full_day.moved & full_day.opened` marks the rows where both are True; `~full_day.opened` those not opened. `.sum()` counts the "
        "marked rows.",
        "`full_day[full_day.moved].mb.sum()` adds up the megabytes of the marked rows.",
        "hit: the rows marked by `full_day.moved & full_day.opened`, divided by those marked by `full_day.opened`, times 100. waste "
        "likewise, with `.mb`.",
    ]
    praise = "Always look at both: with no rules the waste is zero, and with all of the archive in the cache every prior is a hit."


class YesNo(Kind):
    """True or False."""

    takes = "True or False"

    def read(self, given):
        value = plain(given)
        if value is None:
            raise Unreadable("It returned `None`, which is neither True nor False. If it ends with `return ... and ...`: `and` hands on "
                             "its first part that counts as false, here a `None`; put `bool(...)` round all of it. If not:")
        if type(value) is int and value in (0, 1):
            value = bool(value)
        if type(value) is not bool:
            raise Unclear(describe(given))
        return value

    def difference(self, answer, other):
        return None if answer == other else Difference("It should be the other answer.", "value")


@lesson.exercise
class Relevant:
    """Write `relevant(current, prior)`: is this prior to be fetched for this exam, yes (`True`) or no (`False`)?

    Both are dictionaries, such as

        {"study_uid": "2.999.1.7", "modalities": ["CT", "SR"], "body_part": "THORAX", "side": None, "date": date(2024, 5, 2)}

    `side` is `"R"`, `"L"` or `None`. The reading room's rule: fetch the prior if **all** of this holds.

    1. It is not the exam itself, and its date is not after that of the exam.
    2. It shows the same region, by the router's table `REGION`. A body part that is absent (`None`) or that the table does not have has
       **no** region: then nothing is fetched, even if both texts are the same. The table is asked for the text as it stands: `Chest` is
       not in it. Any modality may be compared with any other.
    3. It is at most five years old: 1826 days. (`current["date"] - prior["date"]` is a span; `.days` is its number of days.)
    4. If both have a side, it is the same side.
    5. It has images: not only series of `SR`, `PR` and `KO`.
    """

    answer = Function("relevant", result=YesNo("relevant"))
    points = 3

    def solution(current, prior):
        if prior["study_uid"] == current["study_uid"] or prior["date"] > current["date"]:
            return False
        region = REGION.get(prior["body_part"])
        if region is None or region != REGION.get(current["body_part"]):
            return False
        if (current["date"] - prior["date"]).days > 1826:
            return False
        if prior["side"] and current["side"] and prior["side"] != current["side"]:
            return False
        return len([one for one in prior["modalities"] if one not in ("SR", "PR", "KO")]) > 0

    def fetches_itself(current, prior):
        return Relevant.solution(current, {**prior, "study_uid": "another"})

    def unknown_like_unknown(current, prior):
        region = REGION.get(prior["body_part"])
        if region is None and REGION.get(current["body_part"]) is None:
            return Relevant.solution({**current, "body_part": "CHEST"}, {**prior, "body_part": "CHEST"})
        return Relevant.solution(current, prior)

    def same_unknown_text(current, prior):
        if prior["body_part"] == current["body_part"]:
            return Relevant.solution({**current, "body_part": "CHEST"}, {**prior, "body_part": "CHEST"})
        return Relevant.solution(current, prior)

    def unknown_is_fetched(current, prior):
        if REGION.get(prior["body_part"]) is None or REGION.get(current["body_part"]) is None:
            return Relevant.solution({**current, "body_part": "CHEST"}, {**prior, "body_part": "CHEST"})
        return Relevant.solution(current, prior)

    def equal_body_part(current, prior):
        return prior["body_part"] == current["body_part"] and Relevant.solution(current, prior)

    def same_modality(current, prior):
        return bool(set(prior["modalities"]) & set(current["modalities"])) and Relevant.solution(current, prior)

    def in_capitals(current, prior):
        upper = lambda part: part if part is None or part in REGION else part.upper()
        return Relevant.solution({**current, "body_part": upper(current["body_part"])}, {**prior, "body_part": upper(prior["body_part"])})

    def first_of_its_modalities(current, prior):
        return prior["modalities"][0] == current["modalities"][0] and Relevant.solution(current, prior)

    def any_side(current, prior):
        return Relevant.solution(current, {**prior, "side": None})

    def side_must_be_given(current, prior):
        return prior["side"] == current["side"] and Relevant.solution(current, prior)

    def side_of_the_prior(current, prior):
        return (not prior["side"] or prior["side"] == current["side"]) and Relevant.solution(current, prior)

    def side_of_the_exam(current, prior):
        return (not current["side"] or prior["side"] == current["side"]) and Relevant.solution(current, prior)

    def one_kind_alone(current, prior):
        return prior["modalities"] not in (["SR"], ["PR"], ["KO"]) and Relevant.solution(current, {**prior, "modalities": ["CT"]})

    def without_images_too(current, prior):
        return Relevant.solution(current, {**prior, "modalities": ["CT"]})

    def key_images_are_images(current, prior):
        return Relevant.solution(current, {**prior, "modalities": ["CT" if one == "KO" else one for one in prior["modalities"]]})

    def states_are_images(current, prior):
        return Relevant.solution(current, {**prior, "modalities": ["CT" if one == "PR" else one for one in prior["modalities"]]})

    def reports_alone_are_none(current, prior):
        return Relevant.solution(current, {**prior, "modalities": ["CT" if one in ("PR", "KO") else one for one in prior["modalities"]]})

    def no_reports_at_all(current, prior):
        return not set(prior["modalities"]) & {"SR", "PR", "KO"} and Relevant.solution(current, prior)

    def whatever_has_a_report(current, prior):
        return "SR" not in prior["modalities"] and Relevant.solution(current, prior)

    def first_modality_alone(current, prior):
        return prior["modalities"][0] not in ("SR", "PR", "KO") and Relevant.solution(current, prior)

    def not_of_the_same_day(current, prior):
        return prior["date"] != current["date"] and Relevant.solution(current, prior)

    def the_last_day_too_much(current, prior):
        return (current["date"] - prior["date"]).days < 1826 and Relevant.solution(current, prior)

    def a_day_too_many(current, prior):
        if (current["date"] - prior["date"]).days == 1827:
            return Relevant.solution(current, {**prior, "date": current["date"]})
        return Relevant.solution(current, prior)

    def later_ones_too(current, prior):
        return Relevant.solution(current, {**prior, "date": min(prior["date"], current["date"])})

    def any_age(current, prior):
        date = current["date"] if prior["date"] < current["date"] else prior["date"]
        return Relevant.solution(current, {**prior, "date": date})

    wrong_ways = {
        fetches_itself: "Your function takes the exam itself for its own prior. A router that is asked while images arrive would fetch "
        "today's study and push the oldest prior out. Compare `study_uid`.",
        unknown_like_unknown: "`REGION.get(...)` gives None for a text that the table does not have, and None equals None: so your "
        "function takes FOOT and HAND, or two priors without a body part, for the same region. Without a region nothing is fetched.",
        same_unknown_text: "Two equal texts are the same region for you, also texts that the table does not have, or two absent ones. "
        "The rule asks for a region in the table.",
        unknown_is_fetched: "You fetch when the body part is absent or not in the table. The rule says no there: without a region nothing "
        "is fetched.",
        equal_body_part: "You compare the body parts as texts. THORAX and CHEST are the same region, and so are SKULL and BRAIN here: "
        "look both up in `REGION`.",
        same_modality: "You let only the exam's own modality through. The reader of a chest radiograph wants the chest CT as well.",
        in_capitals: "You put the body parts in capitals before you ask the table. The rule asks for the text as it stands: `Chest` is not "
        "in the table, so it has no region. (Whoever wants it there puts it into the table.)",
        first_of_its_modalities: "You let only the exam's own modality through, and compare no more than the first of each. The reader of "
        "a chest radiograph wants the chest CT as well; the rule does not ask for the modality.",
        any_side: "The left knee is no prior of the right knee. Compare `side` where both have one.",
        side_must_be_given: "You refuse a prior because one of the two has no side. The rule asks for the same side only where both have "
        "one: a radiograph of both knees may have none.",
        side_of_the_prior: "You refuse a prior that has a side when the exam has none. The sides are compared only where **both** "
        "have one.",
        side_of_the_exam: "You refuse a prior without a side when the exam has one. The sides are compared only where **both** have one.",
        one_kind_alone: "You refuse a study of one such modality alone, but not one of two: `[\"PR\", \"KO\"]` holds no image either. Ask "
        "of **all** its modalities whether they are among the three.",
        key_images_are_images: "You take KO for images: you fetch a study of nothing but lists of key images, or of these and SR or PR.",
        states_are_images: "You take PR for images: you fetch a study of nothing but presentation states, or of these and SR or KO.",
        reports_alone_are_none: "You refuse studies of SR alone. Presentation states, PR, and lists of key images, KO, are no images "
        "either.",
        without_images_too: "You fetch studies without an image: only a report, a presentation state or a list of key images.",
        no_reports_at_all: "You refuse each study that has a dose report or a presentation state beside its images. Refuse those that "
        "have nothing else.",
        whatever_has_a_report: "You refuse each study that has an SR beside its images, such as the dose report of a CT. Refuse those that "
        "have nothing else.",
        first_modality_alone: "You look at the first of the modalities alone. They stand in no particular order: `[\"SR\", \"CT\"]` has "
        "images.",
        not_of_the_same_day: "You refuse priors of the day of the exam itself. Only a date *after* it is ruled out: somebody has a "
        "radiograph in the morning and a CT in the afternoon.",
        the_last_day_too_much: "You refuse a prior that is exactly 1826 days old. *At most* includes the last day.",
        a_day_too_many: "You fetch a prior that is 1827 days old. At most 1826 are allowed.",
        later_ones_too: "You fetch studies that are later than the exam. They are no priors; this happens when an old exam is imported "
        "or read late.",
        any_age: "You fetch priors of any age. The rule says 1826 days at most.",
    }
    hints = [
        "Take the five rules one by one: `if` the rule is broken, `return False`. At the end `return True`.",
        'The region of the prior is `REGION.get(prior["body_part"])`: None when the table does not have the text. `if region is None:` '
        'asks for that. Its age is `(current["date"] - prior["date"]).days`.',
        'Sides: `if prior["side"] and current["side"] and prior["side"] != current["side"]: return False`.',
        'Images: `[one for one in prior["modalities"] if one not in ("SR", "PR", "KO")]` lists the modalities that are none of the three. '
        'The study has images if that list is not empty; `len(...)` counts it.',
    ]
    praise = "That is what a prefetch engine decides thousands of times a day; each of the five conditions has a complaint of its own " \
        "when it is missing."

    def cases(draw):
        import datetime
        parts, kinds = list(REGION), (["CT", "SR"], ["CR"], ["DX", "PR"], ["MR"], ["SR"], ["PR", "KO"], ["SR", "CT"], ["US", "SR"])
        found = []
        for number in range(120):
            current = {"study_uid": f"2.999.9.{draw.randrange(1000, 5000)}", "modalities": draw.choice([["CT"], ["CR"], ["DX"], ["MR"]]),
                       "body_part": draw.choice(parts), "side": draw.choice([None, "R", "L"]),
                       "date": datetime.date(2025, 4, 7) - datetime.timedelta(draw.randrange(60))}
            age = draw.choice([0, 3, 200, 700, 1500, 1825, 1826, 1827, 2400, -1, -40])
            prior = {"study_uid": f"2.999.9.{draw.randrange(5000, 9000)}", "modalities": draw.choice(kinds),
                     "body_part": draw.choice([part for part in parts if number % 4 == 0 or REGION[part] == REGION[current["body_part"]]]),
                     "side": draw.choice([current["side"], current["side"], None, "R", "L"]),
                     "date": current["date"] - datetime.timedelta(age)}
            if number % 10 == 0:
                prior = dict(current)
            found.append((current, prior))
        # Body parts that the table does not have, and absent ones; all else fits.
        strange = [None, "FOOT", "HAND", "CHESTABDPELVIS", "Chest"]
        pairs = [(one, other) for one in (*strange, "CHEST") for other in (*strange, "CHEST") if one in strange or other in strange]
        current, prior = found[1]
        for one, other in pairs:
            found.append(({**current, "body_part": one, "side": None},
                          {**prior, "study_uid": f"2.999.9.{draw.randrange(5000, 9000)}", "body_part": other, "side": None,
                           "modalities": ["CT"], "date": current["date"] - datetime.timedelta(draw.randrange(1, 1500))}))
        # Sides: one has a side, the other not. Modalities: two that are no images, and one that is behind one that is not.
        for sides, kinds in ((("L", None), ["CT"]), ((None, "L"), ["CT"]), (("L", "L"), ["PR", "KO"]), (("L", "R"), ["CT"]),
                             ((None, None), ["KO"]), ((None, None), ["PR"]), ((None, None), ["SR", "KO"]), ((None, None), ["PR", "SR"]),
                             ((None, None), ["KO", "SR", "DX"])):
            found.append(({**current, "body_part": "CHEST", "side": sides[0]},
                          {**found[-1][1], "body_part": "THORAX", "side": sides[1], "modalities": kinds}))
        found.append(({**found[-1][0], "modalities": ["DX"]}, found[-1][1]))
        # Both ends of the time.
        for age in (0, 1825, 1826, 1827, -1):
            found.append((found[-1][0], {**found[-1][1], "date": current["date"] - datetime.timedelta(age)}))
        return found


def _why(complaint):
    """What Python says of a pattern that it cannot read, in plain words."""
    for start, words in (("nothing to repeat", "a * repeats what stands before it, and there is nothing. Anything at all is `.*`"),
                         ("missing )", "a parenthesis is opened and never closed"),
                         ("unbalanced parenthesis", "a parenthesis is closed that was never opened"),
                         ("unterminated character set", "a square bracket is opened and never closed"),
                         ("global flags", "`(?i)` may stand at the very beginning only")):
        if complaint.startswith(start):
            return words
    return complaint


def patterns(value):
    """The three patterns, compiled."""
    if type(value) is not dict:
        raise ValueError("they are a dictionary with the entries `chest`, `mr` and `thin`")
    given = {str(name).strip().casefold(): one for name, one in value.items()}
    if set(given) != {"chest", "mr", "thin"}:
        raise ValueError("there are three entries, `chest`, `mr` and `thin`")
    found = {}
    for name, one in given.items():
        if type(one) is not str or not one or len(one) > 200:
            raise ValueError(f"`{name}` is a pattern, a text in quotes")
        if "\b" in one:
            raise ValueError(f"in `{name}` Python has turned \\b into another sign: write an `r` before the quotes")
        try:
            found[name] = re.compile(one)
        except re.error as problem:
            raise ValueError(f"the pattern `{name}` cannot be read: {_why(problem.msg)}") from None
    return found


class PatternSettings(Config):
    """Patterns, which may be compiled already."""

    def read(self, given):
        """As for every Config; of a compiled pattern its text, with `(?i)` in front where it was compiled with re.IGNORECASE."""
        if type(given) is dict:
            given = {name: ("(?i)" * bool(one.flags & re.IGNORECASE) + one.pattern.removeprefix("(?i)"))
                     if type(one) is re.Pattern and type(one.pattern) is str else one for name, one in given.items()}
        return super().read(given)


@lesson.exercise
class Patterns:
    r"""Write three patterns for the router. It searches each in a text, and takes what is found.

    - `chest`, in the exam's description: every exam with the **word** chest in it, in capitals or not, but none that is about a chest
      **tube**;
    - `mr`, in the exam's description: every exam whose description **begins** with the word MR, in capitals or not;
    - `thin`, in the series description: every series with the **word** thin in it, in capitals or not. Beside this word may stand a
      blank, a hyphen, a parenthesis or any other sign, also an underscore; on either side. A letter or a digit makes another word of
      it.

    Try them on `names`. They are judged on your hospital's texts and on those of hospitals that you do not see.
    """

    answer = PatternSettings("patterns", reading=patterns, template='patterns = {\n    "chest": ...,\n    "mr": ...,\n    "thin": ...,\n}')
    points = 3

    def solution():
        return {"chest": r"(?i)\bchest\b(?! tube)", "mr": r"(?i)^mr\b", "thin": r"(?i)(\b|_)thin(\b|_)"}

    def no_underscore():
        return {"chest": r"(?i)\bchest\b(?! tube)", "mr": r"(?i)^mr\b", "thin": r"(?i)\bthin\b"}

    def plain_words():
        return {"chest": "CHEST", "mr": "MR", "thin": "thin"}

    def any_case_anywhere():
        return {"chest": "(?i)chest", "mr": "(?i)mr", "thin": "(?i)thin"}

    def case_minded():
        return {"chest": r"\bCHEST\b(?! TUBE)", "mr": r"^MR\b", "thin": r"(\b|_)thin(\b|_)"}

    def whole_text():
        return {"chest": "(?i)^chest$", "mr": "(?i)^mr$", "thin": "(?i)^thin$"}

    def starts_with():
        return {"chest": r"(?i)^chest\b(?! tube)", "mr": r"(?i)^mr\b", "thin": r"(?i)^thin(\b|_)"}

    def underscore_before_only():
        return {"chest": r"(?i)\bchest\b(?! tube)", "mr": r"(?i)^mr\b", "thin": r"(?i)\bthin\b|_thin\b"}

    def listed_signs():
        return {"chest": r"(?i)\bchest\b(?! tube)", "mr": r"(?i)^mr\b", "thin": r"(?i)(^|[ _-])thin($|[ _-])"}

    def digits_as_borders():
        return {"chest": r"(?i)\bchest\b(?! tube)", "mr": r"(?i)^mr\b", "thin": r"(?i)(^|[^a-z])thin($|[^a-z])"}

    def tube_anywhere():
        return {"chest": r"(?i)\bchest\b(?!.*tube)", "mr": r"(?i)^mr\b", "thin": r"(?i)(\b|_)thin(\b|_)"}

    def mr_anywhere():
        return {"chest": r"(?i)\bchest\b(?! tube)", "mr": r"(?i)\bmr\b", "thin": r"(?i)(\b|_)thin(\b|_)"}

    wrong_ways = {
        no_underscore: "Nearly. But `\\b` takes an underscore for a letter, so there is no border between `_` and a word: look in "
        "`names[\"series\"]` for a description with underscores.",
        plain_words: "Plain words are found anywhere, also inside other words: MR in MRN, thin in *breathing*. And capitals differ from "
        "small letters.",
        any_case_anywhere: "The case is right. But a word without borders is found inside other words too: mr in MRN, thin in "
        "*breathing*; and chest tubes still pass.",
        case_minded: "Borders and anchors are right, but other senders write in small letters, and the router minds the case unless you "
        "tell it not to.",
        whole_text: "Between `^` and `$` the whole text must be that word alone. A description nearly always says more.",
        starts_with: "For `mr` that is right. But the words chest and thin may stand anywhere: *XR CHEST*, *Lung 1.0 thin*.",
        underscore_before_only: "Nearly. `thin` still misses descriptions in which the underscore stands *behind* the word.",
        listed_signs: "Nearly. `thin` takes the signs that you have listed. Others stand beside the word as well, such as a parenthesis "
        "or a comma: say *border of a word* instead, and add the underscore to it.",
        digits_as_borders: "Nearly. `thin` takes a digit for the border of a word. *thin2* is another name, as *thinned* is.",
        tube_anywhere: "Nearly. `chest` leaves out every text with a tube anywhere behind the word chest. What is to be left out is the "
        "chest tube: the two words next to each other.",
        mr_anywhere: "Two are right. `mr` still takes exams of other modalities that mention MR later in the text.",
    }
    hints = [
        "Three tools do it: `(?i)` for both cases, `\\b` for the border of a word, `^` for the beginning.",
        "`\\bword\\b` finds the word and not a part of a longer one. Write patterns with an `r` before the quotes, or `\\b` means "
        "something else.",
        "`(?! more)` behind a word says: not followed by a blank and *more*.",
        "For `mr`: beginning, the two letters, border of a word. For `thin`: on each side a border **or** an underscore, `( | )` with the "
        "two in it.",
    ]
    praise = "Keep a list of descriptions that must and must not match beside your rules, and try it after each change. It is the " \
        "cheapest test there is."

    def trial(settings, hospital):
        return {name: ([text for text in wanted if not settings[name].search(text)],
                       [text for text in others if settings[name].search(text)])
                for name, (wanted, others) in lesson.input_of("names_sorted", hospital).items()}

    def faults(outcome):
        found = []
        for name, (missed, caught) in outcome.items():
            more = f" and {len(missed) - 1} more" if len(missed) > 1 else ""
            if missed:
                found.append(f"`{name}` misses {missed[0]!r}{more}.")
            more = f" and {len(caught) - 1} more" if len(caught) > 1 else ""
            if caught:
                found.append(f"`{name}` takes {caught[0]!r}{more}, which it should not.")
        return found


class Plan(Kind):
    """What is to be fetched: accession number -> when the exam begins."""

    takes = "a dictionary from accession number to time"

    def read(self, given):
        value = plain(given)
        if type(value) is not dict or any(type(name) is not str or type(time) not in (str, type(None)) for name, time in value.items()):
            raise Unclear(describe(given))
        return {accession.strip(): self._time((time or "").strip()) for accession, time in value.items()}

    def _time(self, text):
        """The time as it came, also where it was made a datetime or a Timestamp."""
        parts = re.fullmatch(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(:00)?", text)
        return f"{parts[1]} {parts[2]}" if parts else text

    def difference(self, answer, other):
        if answer == other:
            return None
        for accession in other:
            if accession not in answer:
                return Difference(f"The exam `{accession}` still stands, and your plan has lost it.", "lost")
        for accession in answer:
            if accession not in other:
                return Difference(f"The exam `{accession}` does not take place, and your plan still has it.", "kept")
        wrong = next(accession for accession in other if answer[accession] != other[accession])
        return Difference(f"The exam `{wrong}` is planned for another time than the one it has at the end.", "time")


@lesson.exercise
class FetchPlan:
    """Write `plan(messages)`: what does the router have to prepare, after all these messages?

    `messages` is a list of dictionaries in the order of arrival, such as

        {"control": "NW", "accession": "A2504070012", "start": "2025-04-08 09:30"}

    with the order control codes of ORC-1: **NW** new order, **XO** change of an order (with the new time), **CA** cancel, **SC** status
    changed (its `start` is empty; time and exam stay as they were).

    Return a dictionary from accession number to the start of the exam, of those that still take place. Another code, such as NA, changes
    nothing (OC and DC do not come here). A change may be the first that the router hears of an order; a cancellation too, and then there
    is nothing to do. NW may come again for an order that is there already: its new time counts. A cancellation is not for ever: NW or XO
    **after** it sets the exam again, with its new time.
    """

    answer = Function("plan", result=Plan("plan"))
    points = 3

    def solution(messages):
        starts = {}
        for message in messages:
            if message["control"] in ("NW", "XO"):
                starts[message["accession"]] = message["start"]
            if message["control"] == "CA":
                starts.pop(message["accession"], None)
        return starts

    def new_orders_only(messages):
        return FetchPlan.solution([one for one in messages if one["control"] == "NW"])

    def never_moved(messages):
        return FetchPlan.solution([one for one in messages if one["control"] != "XO"])

    def never_cancelled(messages):
        return FetchPlan.solution([one for one in messages if one["control"] != "CA"])

    def cancelled_at_its_own_time(messages):
        plan = {}
        for message in messages:
            if message["control"] in ("NW", "XO"):
                plan[message["accession"]] = message["start"]
            if message["control"] == "CA" and plan.get(message["accession"]) == message["start"]:
                del plan[message["accession"]]
        return plan

    def moved_is_cancelled(messages):
        return FetchPlan.solution([{**one, "control": "CA"} if one["control"] == "XO" else one for one in messages])

    def status_is_a_change(messages):
        return FetchPlan.solution([{**one, "control": "XO"} if one["control"] == "SC" else one for one in messages])

    def cancelled_for_ever(messages):
        gone = [one["accession"] for one in messages if one["control"] == "CA"]
        return FetchPlan.solution([one for one in messages if one["accession"] not in gone])

    def no_change_after_cancel(messages):
        plan, gone = {}, []
        for message in messages:
            if message["control"] == "NW" or message["control"] == "XO" and message["accession"] not in gone:
                plan[message["accession"]] = message["start"]
                gone = [one for one in gone if one != message["accession"]]
            if message["control"] == "CA":
                plan.pop(message["accession"], None)
                gone.append(message["accession"])
        return plan

    def cancelled_is_kept_empty(messages):
        plan = {}
        for message in messages:
            if message["control"] in ("NW", "XO"):
                plan[message["accession"]] = message["start"]
            if message["control"] == "CA":
                plan[message["accession"]] = None
        return plan

    def cancelled_is_emptied(messages):
        plan = {}
        for message in messages:
            if message["control"] in ("NW", "XO"):
                plan[message["accession"]] = message["start"]
            if message["control"] == "CA" and message["accession"] in plan:
                plan[message["accession"]] = None
        return plan

    def any_code(messages):
        return FetchPlan.solution([one if one["control"] == "CA" else {**one, "control": "XO"} for one in messages])

    def unknown_codes_too(messages):
        return FetchPlan.solution([one if one["control"] in ("CA", "SC") else {**one, "control": "XO"} for one in messages])

    def first_word_counts(messages):
        plan = {}
        for message in messages:
            if message["control"] in ("NW", "XO"):
                plan.setdefault(message["accession"], message["start"])
            if message["control"] == "CA":
                plan.pop(message["accession"], None)
        return plan

    def second_new_is_ignored(messages):
        plan = {}
        for message in messages:
            if message["control"] == "NW":
                plan.setdefault(message["accession"], message["start"])
            if message["control"] == "XO":
                plan[message["accession"]] = message["start"]
            if message["control"] == "CA":
                plan.pop(message["accession"], None)
        return plan

    def change_needs_the_order(messages):
        plan = {}
        for message in messages:
            if message["control"] == "NW" or message["control"] == "XO" and message["accession"] in plan:
                plan[message["accession"]] = message["start"]
            if message["control"] == "CA":
                plan.pop(message["accession"], None)
        return plan

    wrong_ways = {
        new_orders_only: "You listen to new orders only. Exams that were cancelled are still prepared, and those that were moved at "
        "their old time.",
        never_moved: "You do not follow XO. The priors of a moved exam are fetched for the old day, and purged from the cache before the "
        "new one.",
        never_cancelled: "You do not follow CA: the router fetches for exams that nobody will make.",
        cancelled_at_its_own_time: "You follow CA only where its time is the one in your plan. A cancellation is known by the accession "
        "number; its time may be another, and then the exam stays in your plan.",
        moved_is_cancelled: "You drop an exam that was moved. It still takes place, at another time.",
        status_is_a_change: "You let SC set the time. It only says that the status of the order has changed; its `start` is empty.",
        cancelled_for_ever: "You strike out each exam that was ever cancelled. Messages count in their order: when NW or XO comes after "
        "the cancellation, the exam takes place.",
        no_change_after_cancel: "You take NW after a cancellation, but not XO. Both set the exam again.",
        cancelled_is_kept_empty: "You keep the cancelled exams, with `None` or an empty time. The plan should not have them at all: take "
        "the entry out of the dictionary.",
        cancelled_is_emptied: "You set the time of a cancelled exam to `None` or to an empty text. Its entry should go: take it out of the "
        "dictionary.",
        any_code: "You let every code but CA set the time. NW and XO do; SC has none to set, and a code that you do not know changes "
        "nothing.",
        unknown_codes_too: "You let a code that is none of the four set the time. It changes nothing.",
        first_word_counts: "You keep the first time that you heard. The last change counts.",
        second_new_is_ignored: "You pass over a new order when the plan has its exam already. Some systems send NW again with another time "
        "instead of XO: the last word counts.",
        change_needs_the_order: "You pass over a change of an order that you have not seen before. The router may have been down when "
        "the order came; the change has all that you need.",
    }
    hints = [
        "Start with an empty dictionary, `starts = {}`, go through the messages with `for message in messages:`, and `return starts` at "
        "the end.",
        'NW and XO do the same: `starts[message["accession"]] = message["start"]` puts in a new entry, or replaces the time of an old one.',
        "CA takes an entry out: `starts.pop(accession, None)` does so, and does not mind when there is none.",
        "SC needs no line at all.",
    ]
    praise = "A prefetcher that hears only new orders works for exams that will never be. Ask your vendor which messages yours listens to."

    def cases(draw):
        found = []
        for _ in range(20):
            numbers, messages, known = draw.sample(range(1000, 9999), 13), [], []
            for place, number in enumerate(numbers):
                accession = f"A25040{number:05d}"[:11]

                said = []

                def say(control, accession=accession, said=said):
                    start = "" if control == "SC" else f"2025-04-{draw.randrange(8, 30):02d} " \
                        f"{draw.randrange(7, 18):02d}:{draw.choice((0, 15, 30, 45)):02d}"
                    # A cancellation repeats the time that it knows, which may be the one before the last change.
                    start = draw.choice(said) if control == "CA" and said else start
                    said.append(start)
                    return {"control": control, "accession": accession, "start": start}

                story = (("NW",), ("NW", "SC"), ("NW", "XO"), ("NW", "CA"), ("NW", "XO", "XO"), ("XO",), ("CA",), ("NW", "XO", "CA"),
                         ("NW", "NA"), ("NW", "CA", "NW"), ("NW", "CA", "XO"), ("CA", "XO"),
                         ("NW", "NW"))[place]
                known.append([say(control) for control in story])
            while any(known):
                messages.append(draw.choice([story for story in known if story]).pop(0))
            found.append((messages,))
        return found


class Minutes(Number):
    """Minutes, also written as "3:30" or "3 min 30 s", minutes and seconds."""

    def read(self, given):
        value = single(plain(given))
        forms = r"\s*(\d{1,4})(?::|\s*min(?:utes?)?\.?,?\s*(?:and\s*)?)([0-5]?\d)\s*(?:min|s|sec|seconds?)?\.?\s*"
        clock = re.fullmatch(forms, value) if type(value) is str else None
        return super().read(int(clock[1]) + int(clock[2]) / 60 if clock else given)


@lesson.exercise
class LastMoment:
    """The priors in `coming` are to lie in the cache **15 minutes before** their exam begins. The router has one connection free: it moves
    one study after the other. From the online tier the first image comes after 1 second, from nearline after 90 seconds, each time; then a
    study's images flow at 200 Mbit/s.

    How many **minutes before the exam** must the first move start, at the latest? Two decimals; half a second more or less does not
    matter.
    """

    answer = Minutes("minutes", unit="min", tolerance=0.0105)       # a second is 0.0167 minutes
    points = 2

    def solution(coming):
        waiting = coming.tier.map({"online": 1, "nearline": 90}).sum()
        flowing = coming.mb.sum() * 8 / 200
        return 15 + (waiting + flowing) / 60

    def without_the_online_wait(coming):
        return 15 + (coming.tier.map({"online": 0, "nearline": 90}).sum() + coming.mb.sum() * 8 / 200) / 60

    def without_the_reserve(coming):
        return LastMoment.solution(coming) - 15

    def in_seconds_without_the_reserve(coming):
        return coming.tier.map({"online": 1, "nearline": 90}).sum() + coming.mb.sum() * 8 / 200

    def reserve_among_the_seconds(coming):
        return 15 + coming.tier.map({"online": 1, "nearline": 90}).sum() + coming.mb.sum() * 8 / 200

    def bytes_by_bits(coming):
        return 15 + (coming.tier.map({"online": 1, "nearline": 90}).sum() + coming.mb.sum() / 200) / 60

    def rate_alone(coming):
        return 15 + coming.mb.sum() * 8 / 200 / 60

    def one_latency(coming):
        return 15 + (90 + coming.mb.sum() * 8 / 200) / 60

    def one_wait_a_tier(coming):
        return 15 + (1 + 90 + coming.mb.sum() * 8 / 200) / 60

    def each_from_nearline(coming):
        return 15 + (90 * len(coming) + coming.mb.sum() * 8 / 200) / 60

    def all_at_once(coming):
        return 15 + (coming.tier.map({"online": 1, "nearline": 90}) + coming.mb * 8 / 200).max() / 60

    wrong_ways = {
        without_the_online_wait: "Either the wait of the online tier is left out, or you rounded too far: one second is little, but asked "
        "are two decimals.",
        without_the_reserve: "That is how long the moves take. They are to be there 15 minutes before the exam.",
        in_seconds_without_the_reserve: "That is in seconds, and the moves alone. Minutes are asked, and the priors are to be there before "
        "the exam begins.",
        reserve_among_the_seconds: "You added minutes to seconds: the 15 are minutes, the waits and the flowing are in seconds.",
        bytes_by_bits: "You divided megabytes by megabits a second. A byte has eight bits: the images take eight times as long.",
        rate_alone: "You reckoned with the line alone. Each study waits for its first image before anything flows; from nearline that is "
        "the longer part.",
        one_latency: "You counted one wait for all. The studies are moved one after the other, and each has its own wait, by its tier.",
        one_wait_a_tier: "You counted one wait for each tier. Each **study** has its own wait: the moves run one after the other.",
        each_from_nearline: "You let each study wait 90 seconds. That is nearline; from the online tier it is 1 second.",
        all_at_once: "That is the slowest of the moves, as if all ran at the same time. There is one connection free.",
    }
    hints = [
        "Add up three parts: the waits, the flowing, the reserve of 15 minutes. Watch the units.",
        "Waits: one for each row, 1 or 90 seconds by `tier`. Flowing: `coming.mb.sum()` megabytes, times 8, are megabits.",
        "Seconds divided by 60 are minutes. Add 15 at the end.",
    ]
    praise = "Most of it is waiting, and not the line: a faster network would hardly help here, fewer nearline studies would."


@lesson.exercise
class MorningLine:
    """*"Then fetch all priors of everybody, and nobody waits."* `by_hour` says what that would be. Suppose that the priors for
    the exams that begin **from 08:00 to 10:59** (the rows with `hour` 8, 9 and 10) were to be moved in the hour from 06:30 to 07:30.

    How many **Mbit/s** would the line have to carry in that hour, on average? 1 GB is 1000 MB; leave the waits aside. One decimal.
    """

    answer = Number("mbit_per_s", unit="Mbit/s", tolerance=0.06)
    points = 2

    def solution(by_hour):
        gigabytes = by_hour[by_hour.hour.isin([8, 9, 10])].gb.sum()
        return round(gigabytes * 1000 * 8 / 3600, 1)

    def megabytes(by_hour):
        return by_hour[by_hour.hour.isin([8, 9, 10])].gb.sum() * 1000 / 3600

    def all_day(by_hour):
        return by_hour.gb.sum() * 1000 * 8 / 3600

    def eleven_too(by_hour):
        return by_hour[by_hour.hour.isin([8, 9, 10, 11])].gb.sum() * 1000 * 8 / 3600

    def up_to_nine(by_hour):
        return by_hour[by_hour.hour.isin([8, 9])].gb.sum() * 1000 * 8 / 3600

    def an_hour_early(by_hour):
        return by_hour[by_hour.hour.isin([7, 8, 9])].gb.sum() * 1000 * 8 / 3600

    def giga(by_hour):
        return MorningLine.solution(by_hour) / 1000

    def in_three_hours(by_hour):
        return MorningLine.solution(by_hour) / 3

    def a_minute(by_hour):
        return by_hour[by_hour.hour.isin([8, 9, 10])].gb.sum() * 1000 * 8 / 60

    def an_amount(by_hour):
        return by_hour[by_hour.hour.isin([8, 9, 10])].gb.sum() * 1000 * 8

    def megabytes_a_minute(by_hour):
        return by_hour[by_hour.hour.isin([8, 9, 10])].gb.sum() * 1000 / 60

    def binary(by_hour):
        return by_hour[by_hour.hour.isin([8, 9, 10])].gb.sum() * 1024 * 8 / 3600

    wrong_ways = {
        megabytes: "That is in megabytes a second. Lines are rated in bits: a byte has eight.",
        all_day: "You added up the whole day. Only the exams from 08:00 to 10:59 are asked: the rows with `hour` 8, 9 and 10.",
        eleven_too: "You took the exams of 11:00 to 11:59 along. The row with `hour` 10 holds those from 10:00 to 10:59.",
        up_to_nine: "You left out the exams that begin from 10:00 to 10:59: the row with `hour` 10.",
        an_hour_early: "You took the rows with `hour` 7, 8 and 9. The number is the hour in which the exams begin: 8 is 08:00 to 08:59.",
        giga: "That is in gigabits a second. Asked are megabits: a Gbit/s is a thousand of them.",
        in_three_hours: "You divided by three hours, in which the exams begin. The moves have the one hour from 06:30 to 07:30.",
        a_minute: "You divided by 60: that is a rate a minute. A line is rated in bits a second.",
        an_amount: "That is an amount, all the megabits together. A rate is the amount by the time in which it has to pass.",
        megabytes_a_minute: "That is in megabytes, and a minute. Lines are rated in bits a second.",
        binary: "You took 1024 MB for a gigabyte. That is a gibibyte; the question says 1000.",
    }
    hints = [
        "Rate is amount by time. The amount: gigabytes of three rows; the time: the window, in seconds.",
        "`by_hour[by_hour.hour.isin([8, 9, 10])]` takes the three rows, `.gb.sum()` adds them up.",
        "GB times 1000 are MB, times 8 are Mbit. Divide by the seconds of the window.",
    ]
    praise = "The line could do it. But add up the waits: so many moves from nearline, two at a time and 90 seconds each, do not fit " \
        "into one hour. And nine in ten of these bytes nobody would look at."


class Frame(Number):
    """The number of a frame. A status of four digits with a letter is none."""

    takes = "the number of a frame"

    def read(self, given):
        value = single(plain(given))
        if type(value) is str and re.fullmatch(r"(?i)\s*(0x)?(?=.*[a-f])[0-9a-f]{4}h?\s*", value):
            raise Unclear(f"{value.strip()[:8]}, a status; the number of its frame stands in the column `frame`")
        return super().read(given)


@lesson.exercise
class NoImages:
    """*"The new viewing station finds every study and opens none."* Between the station and HV_PACS the sniffer saw the messages in
    `bad_move`.

    What is wrong? Give the letter as `reason` and, as `frame`, the number of the **frame that proves it**: from the column `frame`,
    not the number of the row.
    """

    answer = Choice(
        "reason, frame",
        options={
            "A": "The archive does not hold the study that was asked for.",
            "B": "The archive sent the images, and the station refused them.",
            "C": "The archive does not know the AE title to which it is to send the images.",
            "D": "The archive was still sending when the capture ended.",
            "E": "The archive sent most images; for some of them the sub-operation failed.",
        },
        evidence=Frame("frame", named=("frame",)),
    )
    points = 2

    def solution(bad_move):
        refused = bad_move[(bad_move.message == "C-MOVE-RSP") & (bad_move.status == "A801")]
        return "C", int(refused.frame.iloc[0])

    def nothing_there(bad_move):
        return "A", None

    def refused_by_the_station(bad_move):
        return "B", None

    def still_sending(bad_move):
        return "D", None

    def some_failed(bad_move):
        return "E", None

    def the_request(bad_move):
        return "C", int(bad_move[bad_move.message == "C-MOVE-RQ"].frame.iloc[0])

    def the_row(bad_move):
        return "C", int(bad_move.index[bad_move.message == "C-MOVE-RSP"][0])

    def the_row_from_one(bad_move):
        return "C", int(bad_move.index[bad_move.message == "C-MOVE-RSP"][0]) + 1

    def the_find(bad_move):
        return "C", int(bad_move[bad_move.message == "C-FIND-RSP"].frame.iloc[0])

    wrong_ways = {
        nothing_there: "C-FIND was answered with a match, so the archive holds the study. Look at what comes after it.",
        refused_by_the_station: "For that the archive would have had to call the station: a second association with C-STORE, as in "
        "`good_move`. There is none here.",
        still_sending: "Pending, FF00, of a **C-MOVE** would say that. The FF00 here answers the C-FIND, and means: here is a match.",
        some_failed: "That would be B000, with a count of failed sub-operations. Look at the status of the C-MOVE's answer.",
        the_request: "Your choice is right. But the request proves only what was asked for; the archive's answer says that it cannot be "
        "done.",
        the_row: "Your choice is right. But that is the number of the row in the table; the frame's number stands in the column `frame`.",
        the_row_from_one: "Your choice is right. But you counted the rows of the table; the frame's number stands in the column `frame`.",
        the_find: "Your choice is right. But that frame belongs to the C-FIND, which went well.",
    }
    hints = [
        "Go from top to bottom: which request is answered well, and which is not?",
        "The status of the C-MOVE-RSP is a code of the table above.",
        "Compare `destination` in the C-MOVE-RQ with the station's own title. The frame that is asked for is that of the archive's answer.",
    ]
    praise = "The destination is a name that the **archive** looks up in its own AE table. Station and table must agree letter for " \
        "letter; the capture alone does not say which of the two is wrong."


@lesson.exercise
class MovesToRepeat:
    """The router's log of eight moves, `responses`. A response without counts is logged with zeros.

    - `repeat`: the numbers of the moves that have to be made **again**, because at least one image did not arrive, or nobody knows
      (whoever cancelled, FE00, did it to free the line; the priors are still wanted. A move to an unknown destination, A801, is made
      again once the name is put right, in the request or in the archive's AE table; before that it would only fail again);
    - `arrived`: how many images arrived in **all eight** moves together, as far as the log tells. Images that were stored with a
      warning have arrived.
    """

    answer = Fields("log", {"repeat": Set("", named=("move",)), "arrived": Number("")})
    points = 3

    def solution(responses):
        last = responses.groupby("move").last()
        good = (last.status == "0000") | ((last.status == "B000") & (last.failed == 0))
        return {"repeat": list(last.index[~good]), "arrived": int((last.completed + last.warning).sum())}

    def warning_is_success(responses):
        last = responses.groupby("move").last()
        return {**MovesToRepeat.solution(responses), "repeat": list(last.index[~last.status.isin(["0000", "B000"])])}

    def every_warning(responses):
        last = responses.groupby("move").last()
        return {**MovesToRepeat.solution(responses), "repeat": list(last.index[last.status != "0000"])}

    def failures_only(responses):
        last = responses.groupby("move").last()
        return {**MovesToRepeat.solution(responses), "repeat": list(last.index[last.status.str.startswith("A")])}

    def cancelled_is_fine(responses):
        right = MovesToRepeat.solution(responses)
        last = responses.groupby("move").last()
        return {**right, "repeat": [move for move in right["repeat"] if last.status[move] != "FE00"]}

    def unknown_is_left(responses):
        right = MovesToRepeat.solution(responses)
        last = responses.groupby("move").last()
        return {**right, "repeat": [move for move in right["repeat"] if last.status[move] != "A801"]}

    def refused_is_left(responses):
        right = MovesToRepeat.solution(responses)
        last = responses.groupby("move").last()
        return {**right, "repeat": [move for move in right["repeat"] if last.status[move] != "A702"]}

    def pending_is_fine(responses):
        right = MovesToRepeat.solution(responses)
        last = responses.groupby("move").last()
        return {**right, "repeat": [move for move in right["repeat"] if last.status[move] != "FF00"]}

    def whoever_had_a_pending(responses):
        return {**MovesToRepeat.solution(responses), "repeat": sorted(set(responses[responses.status != "0000"].move))}

    def added_up_over_all(responses):
        return {**MovesToRepeat.solution(responses), "arrived": int((responses.completed + responses.warning).sum())}

    def completed_over_all(responses):
        return {**MovesToRepeat.solution(responses), "arrived": int(responses.completed.sum())}

    def without_the_lost(responses):
        last = responses[responses.status != "FF00"]
        return {**MovesToRepeat.solution(responses), "arrived": int((last.completed + last.warning).sum())}

    def without_the_lost_and_warnings(responses):
        return {**MovesToRepeat.solution(responses), "arrived": int(responses[responses.status != "FF00"].completed.sum())}

    def without_warnings(responses):
        return {**MovesToRepeat.solution(responses), "arrived": int(responses.groupby("move").last().completed.sum())}

    def failed_too(responses):
        last = responses.groupby("move").last()
        return {**MovesToRepeat.solution(responses), "arrived": int((last.completed + last.warning + last.failed).sum())}

    def without_the_cancelled(responses):
        last = responses.groupby("move").last()
        last = last[last.status != "FE00"]
        return {**MovesToRepeat.solution(responses), "arrived": int((last.completed + last.warning).sum())}

    def finished_moves_only(responses):
        last = responses.groupby("move").last()
        last = last[last.status.isin(["0000", "B000"])]
        return {**MovesToRepeat.solution(responses), "arrived": int((last.completed + last.warning).sum())}

    wrong_ways = {
        warning_is_success: "You take each B000 for a success. It says: complete, with failures **or** warnings. Only the counts tell "
        "which: with a failed one, an image is missing.",
        every_warning: "You repeat each B000. Look at its counts: with no failed one and some warnings, all images have arrived.",
        failures_only: "Those are the refused ones. A move that was cancelled, one that ended with failures and one that never ended "
        "lack images as well.",
        cancelled_is_fine: "You left out the move that was cancelled. Somebody wanted that, but only to free the line: not all of its "
        "images are there, and the priors are still wanted.",
        unknown_is_left: "You left out the move to an unknown destination. Repeating it alone would fail again; but once the "
        "name is put right it has to be made, because no image has arrived.",
        refused_is_left: "You left out the move that was refused for lack of resources. No image has arrived; the archive may have "
        "room later.",
        pending_is_fine: "You left out the move whose last word is FF00, *I am still at it*. It was never followed by an end: the "
        "connection was lost.",
        whoever_had_a_pending: "You count each move that ever said FF00. That is how every healthy move begins; its **last** response "
        "counts.",
        added_up_over_all: "You added up all rows. The counts are running totals: each response says how many have been done so far. "
        "Take the last of each move.",
        completed_over_all: "You added up the column `completed`, all rows of it. The counts are running totals: the last row of each move "
        "says it all. And images stored with a warning are counted in a column of their own.",
        without_the_lost: "You left out the move whose last word is FF00. As far as the log tells, its images up to there have arrived.",
        without_the_lost_and_warnings: "You added up `completed` of the final responses. Images stored with a warning have arrived as "
        "well, and so have those of the move that never came to an end, as far as its last pending response tells.",
        without_warnings: "You left out the images that were stored with a warning. They have arrived.",
        failed_too: "You counted the failed sub-operations as arrived. Each of them is an image that the destination does not have.",
        without_the_cancelled: "You left out the move that was cancelled. What was sent before that has arrived.",
        finished_moves_only: "You counted the finished moves only. What was sent before a move was cancelled or lost has arrived, too.",
    }
    hints = [
        "Only the last row of each move counts. `responses.groupby(\"move\").last()` gives it.",
        "0000 is well. B000 is well if nothing failed. And everything else?",
        "FE00 was cancelled, A702 and A801 were refused, FF00 as the last word never came to an end.",
        "`arrived`: of the last rows, completed and warning together. If `last` holds them: `last.completed.sum()` and the like.",
    ]
    praise = "A router that takes B000 for success leaves holes that somebody finds months later, when a prior has 180 of 186 images."


class Titles(Set):
    """AE titles, each once, in a list: letter for letter, since upper and lower case differ (PS3.5, Table 6.2-1, VR AE)."""

    takes = "a list of AE titles, each once"

    def read(self, given):
        """As Set; neither one text nor a title twice."""
        if type(given) is str:
            raise Unclear("one text. A list has brackets around it, and each title has quotes of its own")
        found = super().read(given)
        if type(given) in (list, tuple) and len(found) < len(given):
            raise Unclear("a list in which one title stands twice: the image would be sent there twice")
        return found


def _nowhere(case, titles):
    """What to say where the image may go to no destination, and titles were given; None elsewhere."""
    if titles and not Route.solution(*case):
        return "This image may go nowhere: by rules 5 and 6 no destination is left. The list must be empty, `[]`."
    return None


@lesson.exercise
class Route:
    """New images come in at HV_ROUTER. Write `route(header)`: a list of the AE titles to which the image is to be sent on.

    `header` is a dictionary, such as

        {"Modality": "CT", "SeriesDescription": "Lung 1.0 thin", "Priority": "STAT",
         "TransferSyntaxUID": "1.2.840.10008.1.2.1", "ReceivedFrom": "CTER01"}

    1. Everything goes to `HV_PACS`.
    2. Modality MG goes to `WS_MG1` as well.
    3. CT with the **word** thin in the series description, in capitals or not, goes to `WS_CH1` as well. As in exercise 3, beside the
       word may stand any sign that is no letter or digit: a blank, a hyphen, an underscore.
    4. Priority STAT goes to `WS_ED1` as well, if the modality is CT, CR or DX.
    5. No destination, the archive neither, gets an image whose transfer syntax is not in its list, `ACCEPTS[aet]`: this router does not
       convert.
    6. Nothing goes back to where it was received from.

    If no destination is left, return an empty list. An image without a series description comes with an empty text there.
    """

    answer = Function("route", result=Titles(case=True), remark=lambda case, titles: _nowhere(case, titles))
    points = 3

    def solution(header):
        import re
        wanted = ["HV_PACS"]
        if header["Modality"] == "MG":
            wanted.append("WS_MG1")
        if header["Modality"] == "CT" and re.search(r"(?i)(\b|_)thin(\b|_)", header["SeriesDescription"]):
            wanted.append("WS_CH1")
        if header["Priority"] == "STAT" and header["Modality"] in ("CT", "CR", "DX"):
            wanted.append("WS_ED1")
        return [aet for aet in wanted if header["TransferSyntaxUID"] in ACCEPTS[aet] and aet != header["ReceivedFrom"]]

    def first_rule_wins(header):
        wanted = Route.solution(header)
        stations = [aet for aet in ("WS_MG1", "WS_CH1", "WS_ED1") if aet in Route.solution({**header, "ReceivedFrom": ""})]
        return [aet for aet in wanted if aet == "HV_PACS" or aet == stations[0]]

    def any_transfer_syntax(header):
        return Route.solution({**header, "TransferSyntaxUID": EXPLICIT})

    def archive_takes_all(header):
        archive = ["HV_PACS"] if header["ReceivedFrom"] != "HV_PACS" else []
        return archive + [aet for aet in Route.solution(header) if aet != "HV_PACS"]

    def takes_out_while_going(header):
        wanted = Route.solution({**header, "TransferSyntaxUID": EXPLICIT, "ReceivedFrom": ""})
        for aet in wanted:
            if header["TransferSyntaxUID"] not in ACCEPTS[aet] or aet == header["ReceivedFrom"]:
                wanted.remove(aet)
        return wanted

    def in_a_circle(header):
        return Route.solution({**header, "ReceivedFrom": ""})

    def thin_as_written(header):
        wanted = Route.solution(header)
        if "WS_CH1" in wanted and "thin" not in header["SeriesDescription"]:
            wanted.remove("WS_CH1")
        return wanted

    def thin_between_blanks(header):
        wanted = Route.solution(header)
        if "WS_CH1" in wanted and "thin" not in header["SeriesDescription"].lower().split():
            wanted.remove("WS_CH1")
        return wanted

    def thin_without_underscore(header):
        wanted = Route.solution(header)
        if "WS_CH1" in wanted and not re.search(r"(?i)\bthin\b", header["SeriesDescription"]):
            wanted.remove("WS_CH1")
        return wanted

    def thin_with_an_underscore_before(header):
        wanted = Route.solution(header)
        if "WS_CH1" in wanted and not re.search(r"(?i)\bthin\b|_thin\b", header["SeriesDescription"]):
            wanted.remove("WS_CH1")
        return wanted

    def thin_between_few_signs(header):
        wanted = Route.solution(header)
        if "WS_CH1" in wanted and "thin" not in re.split("[ _-]", header["SeriesDescription"].lower()):
            wanted.remove("WS_CH1")
        return wanted

    def thin_begins_a_word(header):
        if re.search(r"(?i)(\b|_)thin", header["SeriesDescription"]):
            header = {**header, "SeriesDescription": "thin"}
        return Route.solution(header)

    def thin_anywhere(header):
        if "thin" in header["SeriesDescription"].lower():
            header = {**header, "SeriesDescription": "thin"}
        return Route.solution(header)

    def thin_between_letters_alone(header):
        if re.search(r"(?i)(^|[^a-z])thin($|[^a-z])", header["SeriesDescription"]):
            header = {**header, "SeriesDescription": "thin"}
        return Route.solution(header)

    def in_small_letters(header):
        return [aet.lower() for aet in Route.solution(header)]

    def stat_ct_alone(header):
        wanted = Route.solution(header)
        return [aet for aet in wanted if aet != "WS_ED1" or header["Modality"] == "CT"]

    def instead_of_the_archive(header):
        wanted = Route.solution(header)
        return [aet for aet in wanted if aet != "HV_PACS" or len(wanted) == 1]

    def thin_of_any_modality(header):
        wanted = Route.solution(header)
        thin = Route.solution({**header, "Modality": "CT", "Priority": ""})
        return wanted + [aet for aet in thin if aet not in wanted]

    def or_stands_alone(header):
        urgent = Route.solution({**header, "Modality": "CR", "Priority": "STAT"})
        wanted = Route.solution(header)
        return wanted + [aet for aet in urgent if aet == "WS_ED1" and aet not in wanted]

    def every_stat(header):
        wanted = Route.solution(header)
        urgent = Route.solution({**header, "Modality": "CR"})
        return wanted + [aet for aet in urgent if aet not in wanted]

    wrong_ways = {
        first_rule_wins: "You stop at the first workstation that fits. The rules add up: a thin series of a STAT CT goes to two of them.",
        any_transfer_syntax: "You send images whose transfer syntax is not in the destination's list. (Compare the whole UID: that of "
        "implicit VR is the beginning of all the others.) A destination that cannot take it refuses the presentation "
        "context, the router tries again and gives up at last: an image is missing, and nobody is told.",
        archive_takes_all: "You look at the transfer syntax for the workstations only. Rule 5 holds for the archive too: there are images "
        "coded in a way that `HV_PACS` does not take.",
        takes_out_while_going: "You take entries out of the list while you go through it. Then `for` skips the entry behind the one that "
        "went, and a forbidden destination stays. Make a new list of what is allowed.",
        in_a_circle: "You send images back to where they came from. If both sides do so, they go round for ever.",
        thin_as_written: "You look for `thin` in small letters only. Other scanners write THIN.",
        thin_between_blanks: "You find thin only between blanks. *Thin-slice* and *LUNG_1.0_THIN* have the word, too.",
        thin_without_underscore: "You miss thin beside an underscore, as in *LUNG_1.0_THIN*: for `\\b` an underscore is a letter, so there "
        "is no border.",
        thin_anywhere: "You find thin inside other words as well: *Free breathing* is no thin series.",
        thin_between_letters_alone: "You take a digit beside thin for the border of a word. *Recon2thin* is another word, by the rule.",
        in_small_letters: "Your AE titles are in small letters. Upper and lower case differ in an AE title: `ws_ed1` is nobody.",
        stat_ct_alone: "You send STAT images of CT alone to WS_ED1. The rule names CR and DX too.",
        instead_of_the_archive: "You leave out the archive where a workstation gets the image. The rules add up: *as well*.",
        thin_of_any_modality: "You send thin series of every modality to WS_CH1. The rule is for CT.",
        thin_with_an_underscore_before: "You miss thin when the underscore stands behind it, as in *THIN_1.0 CHEST*.",
        thin_between_few_signs: "You find thin between blanks, underscores and hyphens. Any other sign may stand beside the word as well, "
        "as in *Lung (thin)*.",
        thin_begins_a_word: "You find thin at the beginning of longer words as well: *Thinned* is another word.",
        or_stands_alone: "You send every image to WS_ED1, whatever its priority. Is there an `or` with a comparison on its left side only? "
        "Text that stands alone counts as true, always. For several values write `in (\"CT\", \"CR\", \"DX\")`.",
        every_stat: "You send every STAT image to WS_ED1. The rule names three modalities. (`== \"CT\" or \"CR\"` is true of every image: "
        "text that stands alone counts as true. For several values write `in (...)`.)",
    }
    hints = [
        'Begin with `wanted = ["HV_PACS"]` and add one title for each rule that fits: `wanted.append("...")`.',
        'Rule 3: `import re`, and then `re.search(...)` with your pattern `thin` of exercise 3 and `header["SeriesDescription"]`.',
        "At the end throw out what rules 5 and 6 forbid.",
        'The last line: `return [aet for aet in wanted if header["TransferSyntaxUID"] in ACCEPTS[aet] and ...]`.',
    ]
    praise = "Rules 5 and 6 are the two that are missing in most routers that get stuck at night."

    def cases(draw):
        described = ("Lung 1.0 thin", "THIN 0.75", "Head 5.0", "Free breathing 3.0", "Thin-slice 1.0", "LUNG_1.0_THIN", "THIN_1.0 CHEST",
                     "Lung (thin)", "Cortex_thinned 3.0", "Thinned 3.0", "Recon2thin 1.0", "Lung thin2 B70", "Bone/thin 0.6", "thin1 B70",
                     "Thinslice 1.0", "Thin bone",
                     "View 1", "FFDM", "T1 thin sag", "")
        syntaxes = (IMPLICIT, EXPLICIT, EXPLICIT, JPEG_LOSSLESS, JPEG_BASELINE, JPEG_2000)
        found = [{"Modality": draw.choice(("CT", "CT", "CR", "DX", "MG", "MR", "US")), "SeriesDescription": draw.choice(described),
                  "Priority": draw.choice(("STAT", "ROUTINE", "URGENT")), "TransferSyntaxUID": draw.choice(syntaxes),
                  "ReceivedFrom": draw.choice(("CTER01", "CT2", "MG1", "HV_PACS", "WS_CH1", "WS_ED1", "MR1"))} for _ in range(150)]
        found += [{"Modality": "CT", "SeriesDescription": text, "Priority": "STAT", "TransferSyntaxUID": EXPLICIT, "ReceivedFrom": sender}
                  for text in described[:15] for sender in ("CTER01", "HV_PACS", "WS_ED1")]
        found += [{"Modality": "CT", "SeriesDescription": "Lung 1.0 thin", "Priority": priority, "TransferSyntaxUID": syntax,
                   "ReceivedFrom": "CTER01"} for priority in ("STAT", "ROUTINE")
                  for syntax in (IMPLICIT, JPEG_LOSSLESS, JPEG_BASELINE, JPEG_2000)]
        found += [{"Modality": modality, "SeriesDescription": "T1 thin sag", "Priority": "STAT", "TransferSyntaxUID": EXPLICIT,
                   "ReceivedFrom": "MR1"} for modality in ("MR", "US", "MG")]
        return [(header,) for header in found]


class Rules(Config):
    """Rules of the router. Of right ones is told what they still move for nothing, where it is much."""

    def judge(self, exercise, given, editions):
        """As for every Config."""
        verdict = super().judge(exercise, given, editions)
        if not verdict.correct:
            return verdict
        outcome = exercise.trial(self.read(*given), editions.own)
        if outcome["waste"] <= 12:
            return verdict
        heaviest = next(iter(outcome["unread"])) or "no description"
        more = f" (Nobody looked at {outcome['waste']:.1f} % of what you move. That is allowed; the heaviest series of it: {heaviest}.)"
        return dataclasses.replace(verdict, message=verdict.message + more)


@lesson.exercise
class TheRuleFile:
    """Write the rules for the five groups of exams. They are good enough when, on the past month,

    - **hit** is at least 95 % in all and at least 75 % in each group;
    - **waste** is at most 30 %;
    - **late** is at most 2 %;
    - **busy** is at most 15 %;
    - no prior is moved **without its presentation states and key images**, if the reader looked at them.

    Only these numbers count: a rule may fetch more than the reading rooms asked for, as long as the waste stays within its limit.

    `router.replay(rules)` tells you where you are, as often as you like. The check replays your rules on hospitals that
    you do not see as well. Their scanners give the series the same names, but some write them in capitals, or with `_` for the blank:
    PORTAL VENOUS 3.0, Portal_venous_3.0.
    """

    answer = Rules("rules", reading=prefetch.rules_of, template="rules = [\n    ...,\n]")
    points = 5

    def solution():
        chest_ct, chest_xr = r"(?i)chest|thorax|pulmonary", r"(?i)chest|thorax|cxr"
        also = "|presentation|key|report"                       # light, and what was found
        rules = [
            {"modality": ["CR", "DX"], "exam": r"(?i)chest", "prior_modality": ["CR", "DX"], "body_part": chest_xr, "count": 2, "years": 2},
            {"modality": ["CR", "DX"], "exam": r"(?i)chest", "prior_modality": ["CT"], "body_part": chest_ct,
             "series": r"(?i)chest.3|^pe|portal" + also, "count": 1, "years": 2},
            {"modality": ["CT"], "exam": r"(?i)chest$|pulmonary", "prior_modality": ["CT"], "body_part": chest_ct,
             "series": r"(?i)chest.3|^pe|portal" + also, "count": 2, "years": 5},
            {"modality": ["CT"], "exam": r"(?i)chest$|pulmonary", "prior_modality": ["CR", "DX"], "body_part": chest_xr,
             "count": 1, "years": 2},
            {"modality": ["CT"], "exam": r"(?i)abdomen", "prior_modality": ["CT"], "body_part": r"(?i)abd",
             "series": "(?i)portal" + also, "count": 2, "years": 5},
            {"modality": ["CT", "MR"], "exam": r"(?i)head|brain", "prior_modality": ["CT", "MR"], "body_part": r"(?i)head|skull|brain",
             "skip": "(?i)bone|sag|protocol", "count": 2, "years": 5},
            {"modality": ["MG"], "prior_modality": ["MG"], "body_part": r"(?i)breast|^MG", "skip": "DBT", "count": 2, "years": 5},
        ]
        return [{**rule, "hours": 12} for rule in rules]

    def as_it_was():
        return [dict(rule) for rule in OLD_RULES]

    def everything():
        return [dict(rule) for rule in EVERYTHING]

    def same_modality_only():
        return [rule for rule in TheRuleFile.solution() if set(rule["modality"]) & set(rule["prior_modality"])]

    def equal_texts():
        exact = {"(?i)chest|thorax|pulmonary": "^CHEST$", "(?i)chest|thorax|cxr": "^CHEST$", "(?i)abd": "^ABDOMENPELVIS$",
                 "(?i)head|skull|brain": "^(HEAD|BRAIN)$", "(?i)breast|^MG": "^BREAST$"}
        return [{**rule, "body_part": exact[rule["body_part"]]} for rule in TheRuleFile.solution()]

    def all_series():
        return [{name: value for name, value in rule.items() if name not in ("series", "skip")} for rule in TheRuleFile.solution()]

    def names_as_written():
        also = r"Portal venous 3\.0|Presentation state|Key images|Dose report)$"
        exact = {"(?i)chest.3|^pe|portal|presentation|key|report": r"^(Chest 3\.0|PE 1\.0 thin|" + also,
                 "(?i)portal|presentation|key|report": "^(" + also}
        return [{**rule, "series": exact[rule["series"]]} if "series" in rule else rule for rule in TheRuleFile.solution()]

    def images_only():
        series = {("MG",): "FFDM", ("CT", "MR"): r"(?i)head.5|t2.tra|flair|dwi|post"}
        return [{**{name: value for name, value in rule.items() if name != "skip"}, "series": series[tuple(rule["prior_modality"])]}
                if "skip" in rule else {**rule, "series": rule["series"].replace("|presentation|key|report", "")} if "series" in rule else
                {**rule, "series": "(?i)view|plates"} for rule in TheRuleFile.solution()]

    def newest_only():
        return [{**rule, "count": 1} for rule in TheRuleFile.solution()]

    def at_the_last_hour():
        return [{**rule, "hours": 1} for rule in TheRuleFile.solution()]

    def days_ahead():
        return [{**rule, "hours": 48} for rule in TheRuleFile.solution()]

    wrong_ways = {
        as_it_was: "Those are the rules that are in force, and the tickets are about them.",
        everything: "Every prior is there, and nine in ten bytes nobody looks at. Choose: by body part, number, age and series.",
        same_modality_only: "The rules fetch only the exam's own modality: readers of chest radiographs wait for the chest CT, and "
        "readers of the CT for the radiograph.",
        equal_texts: "The rules take a body part only if the text is equal. The senders write it in several ways, or leave it out; and a "
        "CT of chest and abdomen shows the chest.",
        all_series: "The priors are well chosen, but whole studies are moved: thin slices, reformats, tomosynthesis. `series_log` says "
        "which series readers look at.",
        names_as_written: "Right for your own hospital's scanners. Others write the same series in capitals, or with `_` for the blank, "
        "and there your patterns find nothing: begin with `(?i)`, and let `.` stand for the sign between two words.",
        images_only: "You move the right images, but leave the presentation states and key images behind. They weigh next to nothing, and "
        "readers look at them.",
        newest_only: "One prior of each kind is too few. The reading rooms ask for two of most.",
        at_the_last_hour: "Everything is there in time, but the fetches run in the working day, when the network belongs to the "
        "modalities. Start in the night for what is known the evening before.",
        days_ahead: "The fetches start so early that the cache has purged the priors again when the exam comes: it keeps them for 24 "
        "hours.",
    }
    hints = [
        "One wish of the reading rooms is one rule: seven rules do it. Write one, replay, look at its group, then the next.",
        "Body parts: look into `body_parts` for the ways in which the senders write a region. The pattern is searched in the study "
        "description as well: CT PULMONARY ANGIO does not say chest.",
        "Waste: in `series_log`, which series are looked at never, and are heavy? Name what you want in `series`, or what you do not "
        "want in `skip`, with `(?i)` and words that every scanner writes. Presentation states and key images are light, and readers "
        "want them.",
        "Time: nearly all exams begin between 06:00 and 19:00; the night is from 17:00 to 07:00; the cache keeps for 24 hours. Which "
        "`hours` put nearly all fetches into the night?",
    ]
    praise = "That is a rule file that one can defend before the reading rooms and before the network group, with numbers. Replay it " \
        "every few months: scanners get new protocols, and readers new habits."

    def trial(settings, hospital):
        exams = lesson.input_of("exams", hospital)
        return {**prefetch.replay(exams, settings), "series_names": _sample_name(exams)}

    def faults(outcome):
        found = []
        worst = min(outcome["groups"], key=outcome["groups"].get)
        if outcome["gone"] > outcome["opened"] / 20:
            found.append(f"Readers waited although {outcome['gone']} of the opened priors had been moved: they came so early that the "
                         f"cache had purged them.")
        if outcome["groups"][worst] < WANTED["group"]:
            kinds = [kind for group, kind in outcome["missing"] if group == worst]
            found.append(f"hit: for {worst} only {outcome['groups'][worst]:.1f} % of the opened priors were there; what readers waited "
                         f"for most is {'radiographs' if kinds[0] == 'radiograph' else kinds[0]}.{_short(outcome)}")
        if outcome["hit"] < WANTED["hit"]:
            (group, kind), number = next(iter(outcome["missing"].items()))
            found.append(f"hit: {outcome['hit']:.1f} % of the opened priors were there. Most were missed for {group}: {number} times "
                         f"{'a radiograph' if kind == 'radiograph' else 'a prior with ' + kind}.{_short(outcome)}")
        if outcome["waste"] > WANTED["waste"]:
            names = [name or "no description" for name in list(outcome["unread"])[:2]]
            found.append(f"waste: nobody looked at {outcome['waste']:.1f} % of what was moved; the heaviest series of these are "
                         f"{' and '.join(names)}. Are the "
                         "wrong series moved, or of too many priors?")
        if outcome["late"] > WANTED["late"]:
            found.append(f"late: {outcome['late']:.1f} % of the hits came after the exam had begun.")
        if outcome["busy"] > WANTED["busy"]:
            found.append(f"busy: {outcome['busy']:.1f} % of the bytes were moved in the working day for exams that were known the "
                         f"evening before.")
        lacking = {name: number for name, number in outcome["short"].items() if re.match("(?i)presentation|key", name)}
        if lacking:
            found.append(f"{sum(lacking.values())} priors were moved without what the reader had looked at beside the images: "
                         f"{' and '.join(lacking)}.")
        if found and outcome["series_names"] != "Portal venous 3.0":
            found[0] += f" Mind how series are written there: `{outcome['series_names']}`."
        return found


def _sample_name(exams):
    """How a series name is written in this hospital."""
    return next((one.description for exam in exams for prior in exam.priors for one in prior.series
                 if re.fullmatch("(?i)portal.venous.3.0", one.description)), "Portal venous 3.0")


def _short(outcome):
    """What was lacking in priors that were moved, as a sentence, when it was much."""
    name, number = next(iter(outcome["short"].items()), ("", 0))
    return f" In {number} moved priors the series {name} was lacking." if number >= 2 else ""
