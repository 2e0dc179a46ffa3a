"""The router that prefetches: which exams were coming, which priors there were, which of them readers opened, and a replay by rules.

``demand(h)`` is made from the orders and the studies of the PACS database. Whether a prior was opened stands nowhere in it: that is drawn
here, from what readers of each group compare with (``WISHES``), with a little chance. ``replay(demand, rules)`` lets the router work by
a set of rules and says what came of it.

The database is a sample, about one exam in thirteen. A day of it would leave any router idle, so the replay puts `PER_DAY` successive
orders on one day, as many as the whole hospital has, and keeps the time of day of each.
"""

import datetime
import heapq
import re
from typing import NamedTuple

from coursekit.hospital import catalogue, clock
from coursekit.hospital.draws import Draws

PER_DAY = 500                   # orders of a full day: 186,000 exams a year
DAYS, LEAST = 30, 500           # what is replayed: the orders of the last days, but at least so many
CANDIDATES = 12                 # priors of a patient that the replay looks at, the newest
STREAMS = 2                     # moves at a time
MB_PER_SECOND = 25              # of one move, once its images flow
FIRST_IMAGE = {"online": 1, "nearline": 90}     # seconds until then
ONLINE_DAYS = 365               # younger studies lie on the fast disks
KEPT_HOURS = 24                 # how long the workstation's cache keeps what was moved
KNOWN_MINUTES = 120             # an exam that was ordered later than so long before its start is not counted as late
BUSY = (7, 17)                  # hours of the day in which the network is the modalities'

GROUPS = {                      # group of exams -> codes of the catalogue
    "chest radiographs": ("XCHPA", "XCHAP"),
    "CT of the chest": ("CTCH", "CTPA"),
    "CT of the abdomen": ("CTAP", "CTCAP"),
    "head": ("CTHD", "MRBR"),
    "breast": ("MGSCR", "MGDX"),
}
GROUP_OF = {code: group for group, codes in GROUPS.items() for code in codes}
YEAR = 365.25 * 86400
CHEST_CT = ("CTCH", "CTPA", "CTCAP")
WISHES = {                      # group -> (codes of priors, how many of the newest, up to how many years old)
    "chest radiographs": ((("XCHPA", "XCHAP"), 2, 2), (CHEST_CT, 1, 2)),
    "CT of the chest": ((CHEST_CT, 2, 5), (("XCHPA", "XCHAP"), 1, 2)),
    "CT of the abdomen": ((("CTAP", "CTCAP"), 2, 5),),
    "head": ((("CTHD", "MRBR"), 2, 5),),
    "breast": ((("MGSCR", "MGDX"), 2, 5),),
}
LOOKED_AT = re.compile(         # the series that are opened when a prior is
    r"^(View \d|Plates|Presentation state|Key images|Chest 3\.0|PE 1\.0 thin|Portal venous 3\.0|Head 5\.0|T2 tra|FLAIR tra|DWI|T1 "
    r"post|FFDM)$")
OPENED, BY_CHANCE = 930, 2      # per mille: a prior that is wished for; any other


class Series(NamedTuple):
    """A series of a prior: its modality, its description, images and bytes, and whether readers look at it."""

    modality: str
    description: str
    images: int
    size: int
    looked_at: bool


class Prior(NamedTuple):
    """A study of the patient that is older than the exam."""

    uid: str
    description: str
    body_part: str              # as received, "" where absent
    modalities: tuple
    days: float                 # how much older than the exam
    series: tuple
    opened: bool


class Exam(NamedTuple):
    """An exam that was coming. Times are seconds of the packed day (below 0: the day before)."""

    accession: str
    group: str
    modality: str
    description: str
    day: int
    begins: int
    known: int
    priors: tuple               # the newest first


def demand(h):
    """The exams of the five groups with their priors: a list of Exam, in order of time."""
    orders = _orders(h)
    exams = [row for row in orders if row[4] in GROUP_OF]
    studies = _studies(h, sorted({row[1] for row in exams}))
    # One stream of chance, drawn in the order of the exams.
    chance = iter(Draws(h.seed, "router").below(1000, CANDIDATES * len(exams)).tolist())
    places = {row[0]: place for place, row in enumerate(orders)}
    return [_exam(row, places[row[0]], studies.get(row[1], ()), [next(chance) for _ in range(CANDIDATES)]) for row in exams]


def _orders(h):
    """The orders that are replayed, of all groups, in order of their time."""
    now, since = (str(moment)[:19] for moment in (h.now, h.now - datetime.timedelta(days=DAYS)))
    rows = h.pacs.rows(
        "SELECT pk, patient_pk, accession, study_uid, procedure_code, procedure_desc, modality, ordered_utc, scheduled_local FROM orders "
        f"WHERE status != 'CANCELLED' AND scheduled_local <= '{now}' ORDER BY scheduled_local DESC, pk DESC LIMIT 4000", 20)[1]
    recent = sum(row[8] >= since for row in rows)
    return rows[:max(recent, LEAST)][::-1]


def _studies(h, patients):
    """Studies of these patients with their series: a dict patient_pk -> list of dict, the newest first."""
    listed = ",".join(map(str, patients))
    codes = dict(h.pacs.rows(f"SELECT accession, procedure_code FROM orders WHERE patient_pk IN ({listed})", 20)[1])
    found, by_description = {}, {procedure.description: procedure.code for procedure in catalogue.PROCEDURES}
    rows = h.pacs.rows(
        "SELECT study.pk, study.patient_pk, study.study_uid, study.accession, study.study_dt_local, study.description, series.modality, "
        "series.description, series.body_part, series.n_instances, series.size_bytes FROM study JOIN series ON series.study_pk = study.pk "
        f"WHERE study.deleted = 0 AND study.patient_pk IN ({listed}) ORDER BY study.study_dt_local DESC, study.pk, series.pk", 20)[1]
    for pk, patient, uid, accession, began, description, *series in rows:
        study = found.setdefault(pk, {
            "patient": patient, "uid": uid, "accession": accession, "began": clock.seconds(began), "description": description or "",
            "code": codes.get(accession) or by_description.get(description), "body_part": "", "series": []})
        study["body_part"] = study["body_part"] or series[2] or ""
        study["series"].append(Series(series[0], series[1] or "", series[3], series[4], bool(LOOKED_AT.match(series[1] or ""))))
    of_patient = {}
    for study in found.values():
        of_patient.setdefault(study["patient"], []).append(study)
    return of_patient


def _exam(row, place, studies, chance):
    pk, _, accession, own_uid, code, description, modality, ordered, scheduled = row
    start = clock.seconds(scheduled)
    older = [study for study in studies
             if study["began"] < start - 3600 and study["uid"] != own_uid and study["accession"] != accession][:CANDIDATES]
    wished = set()
    for codes, count, years in WISHES[GROUP_OF[code]]:
        fitting = [study["uid"] for study in older if study["code"] in codes and start - study["began"] <= years * YEAR]
        wished.update(fitting[:count])
    priors = tuple(
        Prior(study["uid"], study["description"], study["body_part"], tuple(dict.fromkeys(one.modality for one in study["series"])),
              (start - study["began"]) / 86400, tuple(study["series"]),
              drawn < (OPENED if study["uid"] in wished else BY_CHANCE) and any(one.looked_at for one in study["series"]))
        for study, drawn in zip(older, chance))
    begins = start % clock.DAY
    known = begins - (start - int(clock.to_local(clock.seconds(ordered))))
    return Exam(accession, GROUP_OF[code], modality, description, place // PER_DAY, begins, known, priors)


# --- the rules

NEEDED = ("modality", "prior_modality", "body_part", "count", "years", "hours")
OPTIONAL = ("exam", "series", "skip")


def rules_of(value):
    """Rules as a person writes them, in one form: a list of dict. Raises ValueError with a sentence."""
    value = [value] if type(value) is dict else value
    if type(value) is not list or not value:
        raise ValueError("a rule set is a list of dictionaries, one for each rule")
    if len(value) > 40:
        raise ValueError("more than 40 rules are more than anybody can look after")
    return [_rule(one, place) for place, one in enumerate(value, 1)]


def _rule(value, place):
    if type(value) is not dict:
        raise ValueError(f"rule {place} is not a dictionary")
    given = {str(name).strip().casefold().replace(" ", "_"): one for name, one in value.items()}
    for name in NEEDED:
        if name not in given:
            raise ValueError(f"rule {place} has no `{name}`")
    for name in given:
        if name not in NEEDED + OPTIONAL:
            raise ValueError(f"rule {place} has an entry `{name[:30]}` that the router does not know")
    rule = {name: _modalities(given[name], name, place) for name in ("modality", "prior_modality")}
    for name in ("body_part", "exam", "series", "skip"):
        rule[name] = _pattern(given.get(name), name, place)
    for name, most in (("count", 50), ("years", 50), ("hours", 24 * 14)):
        number = given[name]
        if type(number) is str and re.fullmatch(r" *\d+(\.\d+)? *", number):
            number = float(number)
        if type(number) not in (int, float) or not 0 <= number <= most:
            raise ValueError(f"rule {place}: `{name}` is a number from 0 to {most}")
        rule[name] = number
    if rule["count"] != int(rule["count"]):
        raise ValueError(f"rule {place}: `count` is a whole number of studies")
    return {**rule, "count": int(rule["count"])}


def _modalities(value, name, place):
    names = re.split(r"[,;\\/ ]+", value.strip()) if type(value) is str else value
    if type(names) is not list or not names or any(type(one) is not str or not re.fullmatch(r"\s*[A-Za-z]{2,6}\s*", one) for one in names):
        raise ValueError(f"rule {place}: `{name}` is a list of modalities, such as [\"MR\", \"PT\"]")
    return frozenset(one.strip().upper() for one in names)


def _pattern(value, name, place):
    if value is None:
        return None
    if type(value) is not str or len(value) > 300:
        raise ValueError(f"rule {place}: `{name}` is a pattern, a text in quotes")
    if "\b" in value:
        raise ValueError(f"rule {place}: in `{name}` Python has turned \\b into another sign: write an `r` before the quotes")
    try:
        return re.compile(value)
    except re.error as problem:
        raise ValueError(f"rule {place}: the pattern in `{name}` cannot be read, {problem.msg}") from None


# --- the replay

class Move(NamedTuple):
    """A prior that the router moved. Times are seconds of the packed day."""

    exam: Exam
    prior: Prior
    series: tuple
    asked: int
    began: int
    done: int

    @property
    def size(self):
        return sum(one.size for one in self.series)


def moves(exams, rules):
    """What the router moves by these rules (as ``rules_of`` reads them), and when: a list of Move."""
    asked, searched = {}, _Searched()
    for exam in exams:
        for rule in rules:
            if exam.modality not in rule["modality"] or not searched.found(rule["exam"], exam.description):
                continue
            start = max(exam.begins - int(rule["hours"] * 3600), exam.known + 30)
            for prior in _chosen(exam, rule, searched):
                series = {place for place, one in enumerate(prior.series)
                          if searched.found(rule["series"], one.description)
                          and not (rule["skip"] and searched.found(rule["skip"], one.description))}
                if series:
                    asked.setdefault((exam.day, start, exam.accession, prior.uid), (exam, prior, set()))[2].update(series)
    return _carried_out(asked)


def _chosen(exam, rule, searched):
    fitting = (prior for prior in exam.priors
               if prior.days <= rule["years"] * 365.25 and not rule["prior_modality"].isdisjoint(prior.modalities)
               and (searched.found(rule["body_part"], prior.description) or searched.found(rule["body_part"], prior.body_part)))
    return [prior for _, prior in zip(range(rule["count"]), fitting)]


class _Searched:
    """Whether a pattern is found in a text, remembered: there are thousands of texts, but few different ones."""

    def __init__(self):
        self._known = {}

    def found(self, pattern, text):
        if pattern is None:
            return True
        key = pattern, text
        if key not in self._known:
            self._known[key] = bool(pattern.search(text))
        return self._known[key]


def _carried_out(asked):
    """The moves in the order in which they were asked for, of one exam the newest prior first, so many at a time.

    What lies in the cache already, or is on its way there, and will still be there when the exam begins, is not moved again.
    """
    found, free, today, cached = [], [], None, {}
    for (day, start, _, uid), (exam, prior, series) in sorted(asked.items(), key=lambda one: (*one[0][:3], one[1][1].days, one[0][3])):
        if day != today:
            today, free, cached = day, [-10 * clock.DAY] * STREAMS, {}
        since = cached.setdefault(uid, {})
        lacking = [place for place in sorted(series) if place not in since or exam.begins - since[place] > KEPT_HOURS * 3600]
        series = tuple(prior.series[place] for place in lacking)
        if not series:
            continue
        began = max(start, heapq.heappop(free))
        tier = "online" if prior.days <= ONLINE_DAYS else "nearline"
        done = began + FIRST_IMAGE[tier] + -(-sum(one.size for one in series) // (MB_PER_SECOND * 10**6))
        heapq.heappush(free, done)
        since.update(dict.fromkeys(lacking, done))
        found.append(Move(exam, prior, series, start, began, done))
    return found


def replay(exams, rules):
    """What comes of the rules: a dict of plain data.

    opened : how many priors readers opened
    hit    : per cent of these whose images (all series that were looked at) had been moved, for this exam or another one of the patient,
             and were still in the cache
    moved  : GB a day
    waste  : per cent of these bytes that nobody looked at
    late   : per cent of the opened and moved priors that came after the exam began; only of exams known two hours before
    busy   : per cent of the bytes that were moved between 07:00 and 17:00 for exams that were known the evening before
    groups, missing, short, unread, gone : where it comes from: per cent hit by group; missed priors by (group, modality); series that
             lacked in priors that were moved, by description; GB that nobody looked at, by series description; how many moves had been
             purged from the cache before the exam, so that the prior was missed
    """
    done = moves(exams, rules)
    came, read, gone, late, timed = {}, set(), 0, 0, 0
    for move in done:
        came.setdefault((move.exam.day, move.prior.uid), []).append(move)
    groups, missing, short = {group: [0, 0] for group in GROUPS}, {}, {}
    for exam in exams:
        for prior in exam.priors:
            if not prior.opened:
                continue
            here = [move for move in came.get((exam.day, prior.uid), ())
                    if move.exam.accession == exam.accession or move.asked <= exam.begins]
            kept = [move for move in here if exam.begins - move.done <= KEPT_HOURS * 3600]
            read.update((move.exam.accession, prior.uid) for move in here)
            have = {one for move in kept for one in move.series}
            hit = all(one in have for one in prior.series if one.looked_at)
            gone += not hit and len(kept) < len(here)
            groups[exam.group][0] += hit
            groups[exam.group][1] += 1
            if not hit:
                key = exam.group, _main(prior)
                missing[key] = missing.get(key, 0) + 1
                for one in prior.series if have else ():
                    if one.looked_at and one not in have:
                        short[one.description] = short.get(one.description, 0) + 1
            elif exam.begins - exam.known >= KNOWN_MINUTES * 60:
                timed += 1
                in_time = {one for move in kept if move.done <= exam.begins for one in move.series}
                late += not all(one in in_time for one in prior.series if one.looked_at)
    unread, moved, busy = {}, 0, 0
    for move in done:
        moved += move.size
        if BUSY[0] * 3600 <= move.began % clock.DAY < BUSY[1] * 3600 and move.exam.begins - move.exam.known >= 12 * 3600:
            busy += move.size
        for one in move.series:
            if not (one.looked_at and (move.exam.accession, move.prior.uid) in read):
                unread[one.description] = unread.get(one.description, 0) + one.size
    opened = sum(total for _, total in groups.values())
    days = 1 + max((exam.day for exam in exams), default=0)
    return {
        "opened": opened, "hit": _percent(sum(hit for hit, _ in groups.values()), opened), "moved": round(moved / days / 1e9, 1),
        "waste": _percent(sum(unread.values()), moved), "late": _percent(late, timed), "busy": _percent(busy, moved),
        "groups": {group: _percent(*counts) for group, counts in groups.items()},
        "missing": dict(sorted(missing.items(), key=lambda one: (-one[1], one[0]))),
        "short": dict(sorted(short.items(), key=lambda one: (-one[1], one[0]))),
        "unread": {name: round(size / 1e9, 2) for name, size in sorted(unread.items(), key=lambda one: (-one[1], one[0]))}, "gone": gone,
    }


def _main(prior):
    return next((one for one in ("PT", "CT", "MR", "MG") if one in prior.modalities), "radiograph")


def _percent(part, whole):
    return round(100 * part / whole, 1) if whole else 0.0
