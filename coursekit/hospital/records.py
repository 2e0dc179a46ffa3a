"""From the plan to the archive's records: orders, visits, patients and studies, and what is wrong with them.

``archive(seed, count)`` is the way in.
"""

import re
from dataclasses import dataclass

import numpy as np

from coursekit.hospital import clock, exams, names, objects, story, world
from coursekit.hospital.catalogue import PLACE, PROCEDURES
from coursekit.hospital.clock import DAY, HOUR, NEVER, NOW_LOCAL, NOW_UTC
from coursekit.hospital.database import Kinds
from coursekit.hospital.draws import Draws
from coursekit.hospital.exams import EMERGENCY, INPATIENT, OUTPATIENT, TAG
from coursekit.hospital.people import People
from coursekit.hospital.schema import INVENTED

CODES = [procedure.code for procedure in PROCEDURES]
DESCRIPTIONS = [procedure.description for procedure in PROCEDURES]
MODALITIES = np.array([procedure.modality for procedure in PROCEDURES], dtype=object)
STATUSES = ["READ", "VERIFIED", "UNVERIFIED"]
BEGUN, EASTCLIFFS, ALONG = 4, 5, 6          # fates of orders beside done, future, never and cancelled
LAST_OCTETS = [device[1].rsplit(".", 1)[1] for device in world.DEVICES]
LARGEST = 1_000_000           # studies planned at once: that takes half a gigabyte
LETTERS = "ABCDFGHJKLMNPQRSTUVWXYZ"         # of accession numbers, one for each part of a large edition; E is Eastcliff's
SLICE = 20_000                # rows made at a time: what is at work at once fits into the processor's cache


def slices(count):
    """The slices, one after the other, of `count` rows."""
    return [slice(start, min(start + SLICE, count)) for start in range(0, count, SLICE)]


def objects_of(values):
    """The list `values` as an array of Python objects."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def or_null(keys, before=0):
    """`keys` (row numbers, or -1) as an object array of keys, which count from 1 after `before` others, and None."""
    found = (keys + 1 + before).astype(object)
    found[keys < 0] = None
    return found


def combined(**choices):
    """Kinds of the combinations of several columns, and the number of each row's.

    `choices`: column=(a position for each row, the values to which the positions lead).
    """
    shape = [len(values) for _, values in choices.values()]
    numbers = np.ravel_multi_index(tuple(places for places, _ in choices.values()), shape)
    found = np.unique(numbers)
    columns = [[values[place] for place in places.tolist()]
               for places, (_, values) in zip(np.unravel_index(found, shape), choices.values())]
    return Kinds(choices, list(zip(found.tolist(), *columns))), numbers


class Texts:
    """One text for each of many rows, put together when it is asked for: all of them at once would fill the memory.

    `make` gives the texts of an array of rows, as a list; single rows may have another text, or None.
    """

    def __init__(self, make, count):
        self._make, self._other, self.special = make, {}, np.zeros(count, dtype=bool)

    def of(self, rows):
        """The texts of `rows`, an array: a list of str and None."""
        texts = self._make(rows)
        for place in np.flatnonzero(self.special[rows]).tolist():
            texts[place] = self._other[int(rows[place])]
        return texts

    def put(self, rows, texts):
        """From now on `rows` have these `texts`; one text, or None, is for all of them."""
        rows = np.asarray(rows, dtype=np.int64)
        self.special[rows] = True
        self._other.update(zip(rows.tolist(), texts if isinstance(texts, list) else [texts] * len(rows)))

    def missing(self):
        """Which rows have None: a boolean array."""
        none = np.zeros(len(self.special), dtype=bool)
        none[[row for row, text in self._other.items() if text is None]] = True
        return none


def series_uids(keys):
    """Series Instance UIDs for `keys`, a range: a list. They are short, as there are so many."""
    return [f"2.999.5.{key}" for key in keys]


@dataclass(frozen=True)
class Part:
    """Which part of a large archive is planned, of how many studies in all, and how many rows of each table came before it."""

    number: int = 0
    all_studies: int = 0
    patients: int = 0
    visits: int = 0
    orders: int = 0
    studies: int = 0
    series: int = 0
    instances: int = 0


class Dirt:
    """Chooses what goes wrong, and remembers it under a name: positions now, keys of rows later."""

    def __init__(self, seed, count):
        self.draws, self.count, self.chosen = Draws(seed, "dirt"), count, {}

    def much(self, least, per_million):
        """How many: `per_million` of the studies, but at least `least`."""
        return max(least, self.count * per_million // 1_000_000)

    def choose(self, name, candidates, least, per_million):
        """Choose among positions `candidates`, note them under `name`, return them (ascending)."""
        self.chosen[name] = self.draws.sample(candidates, self.much(least, per_million))
        return self.chosen[name]


def plan_orders(seed, plan, person, newborn, has_order, dirt):
    """All orders, by time of ordering: a dict of arrays; `exam` is the position of its exam, -1 if none was done.

    `like` is the exam that an order resembles: its own, if it was done; `procedure` what was ordered.
    """
    draws = Draws(seed, "orders")
    done = np.flatnonzero(has_order)
    kinds = plan["patient_class"][done]
    lead = np.empty(len(done), dtype=np.int64)
    for kind, bands in ((OUTPATIENT, ((30, 2 * HOUR, DAY), (50, DAY, 14 * DAY), (20, 14 * DAY, 60 * DAY))),
                        (EMERGENCY, ((1, 600, 5400),)), (INPATIENT, ((1, HOUR, 20 * HOUR),))):
        here = np.flatnonzero(kinds == kind)
        lead[here] = draws.spread(bands, len(here))
    ordered = plan["utc"][done] - lead
    scheduled = (plan["local"][done] - draws.below(np.where(kinds == EMERGENCY, 300, 1500), len(done))) // 300 * 300
    together = np.flatnonzero(np.isin(plan["tag"][done], (TAG["wrong order"], TAG["wrong patient"], TAG["two orders"])))
    ordered[together] = plan["utc"][done[together]] - DAY - draws.below(8 * DAY, len(together))
    baby = person[done] == newborn
    ordered[baby] = plan["utc"][done][baby] - 2400
    case = plan["tag"][done] == TAG["case 17"]
    ordered[case] = story.ORDERED
    scheduled[case] = clock.seconds("2025-03-30 03:30:00")

    # Orders that no exam followed: not yet, never, or cancelled. They resemble some exam that was done.
    outpatients = np.flatnonzero((plan["patient_class"] == OUTPATIENT) & (plan["tag"] == TAG["usual"]) & has_order)
    future, never, cancelled = (dirt.much(*share) for share in ((14, 9000), (10, 40000), (8, 30000)))
    like = outpatients[draws.below(len(outpatients), future + never + cancelled)]
    day = NOW_LOCAL // DAY + draws.below(5, future)
    late_today = np.where(day == NOW_LOCAL // DAY, 8 * HOUR + 1800, 8 * HOUR)
    start = plan["local"][like] // 300 * 300
    start[:future] = day * DAY + (late_today + draws.below(8 * HOUR, future)) // 300 * 300
    # Some of those never done and of those cancelled were for the last working week.
    lately = future + np.concatenate((np.arange(4), never + np.arange(4)))
    start[lately] = clock.seconds("2025-03-31") + DAY * draws.below(5, len(lately)) + start[lately] % DAY
    start[future + 4:future + 7] = clock.seconds("2025-04-01 09:00:00") + DAY * np.arange(3)
    start[future + 4] = clock.seconds("2025-04-06 10:30:00")                   # and one on the Sunday
    asked = np.minimum(clock.to_utc(start) - draws.spread(((40, 2 * HOUR, 2 * DAY), (60, 2 * DAY, 20 * DAY)), len(start)),
                       NOW_UTC - 1800 - draws.below(6 * HOUR, len(start)))
    # Of a run of the scanner for two orders, the second is the abdomen's.
    both = np.flatnonzero(plan["tag"][done] == TAG["two orders"])
    asked, start = np.append(asked, ordered[both] + 40), np.append(start, scheduled[both])
    orders = {
        "exam": np.concatenate((done, np.full(len(asked), -1))),
        "like": np.concatenate((done, like, done[both])),
        "ordered": np.concatenate((ordered, asked)),
        "scheduled": np.concatenate((scheduled, start)),
        "fate": np.repeat([0, 1, 2, 3, ALONG], [len(done), future, never, cancelled, len(both)]),
    }
    orders = {name: values.astype({"ordered": np.int64, "scheduled": np.int64, "fate": np.int8}.get(name, np.int32))
              for name, values in orders.items()}
    orders["procedure"] = plan["procedure"][orders["like"]]
    orders["procedure"][both], orders["procedure"][len(orders["like"]) - len(both):] = PLACE["CTCH"], PLACE["CTAP"]
    by_time = clock.by_time(orders["ordered"])
    # One of those never done was begun at the scanner all the same; another was Eastcliff's (see `identify`).
    orders["fate"][len(done) + future + 5] = BEGUN
    orders["fate"][len(done) + future + 6] = EASTCLIFFS
    return {name: values[by_time] for name, values in orders.items()}


def number_orders(orders, emergency, case_place, case, part):
    """Accession numbers and planned Study Instance UIDs of the orders: two Texts.

    They count through each local day, in each part with a letter of its own. But for emergencies, a UID is a running number:
    short, as it stands in the database three times.
    """
    letter, urgent_root = LETTERS[part.number].encode("ascii"), f"2.999.200.{7 + part.number}.".encode("ascii")
    day = (clock.to_local(orders["ordered"]) // DAY).astype(np.int32)
    by_day = clock.by_time(day)
    first = np.searchsorted(day[by_day], day[by_day], side="left")
    number = np.empty(len(day), dtype=np.int32)
    number[by_day] = 1 + np.arange(len(day)) - first
    number[day == clock.seconds("2025-03-30") // DAY] += 50         # Case 17 has a number below
    numbers = range(int(number.max()) + 1)
    four, two = np.array([f"{n:04d}" for n in numbers], dtype="S"), np.array([f"{n:02d}" for n in numbers], dtype="S")

    def accessions_of(rows):
        return clock.joined(letter, clock.date_digits(day[rows].astype(np.int64) * DAY), four[number[rows]])

    def uids_of(rows):
        uids = [f"2.999.2.{running}" for running in (1000 + part.orders + rows).tolist()]
        urgent = np.flatnonzero(emergency[rows])
        here = rows[urgent]
        dates = clock.date_digits(day[here].astype(np.int64) * DAY)
        for place, uid in zip(urgent.tolist(), clock.joined(urgent_root, dates, two[number[here]])):
            uids[place] = uid
        return uids

    accessions, uids = Texts(accessions_of, len(day)), Texts(uids_of, len(day))
    accessions.put([case_place], case["accession"])
    uids.put([case_place], case["planned_study_uid"])
    return accessions, uids


def plan_visits(seed, plan, person, newborn, has_order):
    """Visits: a dict of arrays, and for each exam the position of its visit, -1 if none. A newborn is admitted at birth."""
    draws = Draws(seed, "visits")
    count = len(person)
    referred = (plan["patient_class"] == OUTPATIENT) & draws.happens(850, count)
    inside = np.flatnonzero(has_order & ~referred)
    inside = inside[np.lexsort((plan["utc"][inside], person[inside]))]
    # An inpatient's exams within ten days belong to one stay; every other exam is a visit.
    stay = plan["patient_class"][inside] == INPATIENT
    same = np.zeros(len(inside), dtype=bool)
    same[1:] = (stay[1:] & stay[:-1] & (person[inside][1:] == person[inside][:-1])
                & (np.diff(plan["utc"][inside]) < 10 * DAY))
    group = np.cumsum(~same) - 1
    first, last = np.flatnonzero(~same), np.append(np.flatnonzero(~same)[1:], len(inside)) - 1
    kind = plan["patient_class"][inside[first]]
    total = len(first)
    before = np.empty(total, dtype=np.int64)
    after = np.empty(total, dtype=np.int64)
    for which, low, high, least, most in ((OUTPATIENT, 300, 1800, 1500, 5400), (EMERGENCY, 5400, 7200, 3600, 6 * HOUR),
                                          (INPATIENT, 21 * HOUR, 30 * HOUR, DAY, 4 * DAY)):
        here = np.flatnonzero(kind == which)
        before[here] = draws.between(low, high, len(here))
        after[here] = draws.between(least, most, len(here))
    admitted = plan["utc"][inside[first]] - before
    discharged = plan["utc"][inside[last]] + after
    case = plan["tag"][inside[first]] == TAG["case 17"]
    admitted[case] = story.REGISTERED
    admitted[person[inside[first]] == newborn] = story.BORN
    discharged[discharged > NOW_UTC] = NEVER
    by_time = clock.by_time(admitted)
    place = np.empty(total, dtype=np.int64)
    place[by_time] = np.arange(total)
    of_exam = np.full(count, -1, dtype=np.int32)
    of_exam[inside] = place[group]
    ward = draws.raw(total)
    visits = {"person": person[inside[first]][by_time].astype(np.int32), "kind": kind[by_time], "admitted": admitted[by_time],
              "discharged": discharged[by_time], "ward": ward}
    return visits, of_exam


def number_people(seed, people, created, part):
    """Give every ordinary person an identifier; numbers grow with the time of registration."""
    for positions, prefix, first, room in ((people.ordinary, "HV", 101000 + 1_000_000 * part.number, 890_000),
                                           (people.eastcliff[1:], "EC-", 20000 + 100_000 * part.number, 60_000)):
        while room < 2 * len(positions):              # a slip of the pen must find a number that nobody has
            first, room = 10 * first, 10 * room
        gap = min(7, room // len(positions))
        positions = positions[clock.by_time(created[positions])]
        numbers = first + gap * np.arange(len(positions)) + Draws(seed, prefix).below(gap, len(positions))
        for person, pid in zip(positions.tolist(), clock.joined(prefix.encode("ascii"), numbers)):
            people.pid[person] = pid


def confusable(pid):
    """`pid` with a letter O for its first zero after the prefix, or None if it has none."""
    return pid[:2] + pid[2:].replace("0", "O", 1) if "0" in pid[2:] else None


def transposed(pid):
    """`pid` with the last two digits that differ from their neighbour exchanged, or None."""
    for place in range(len(pid) - 2, 3, -1):
        if pid[place] != pid[place + 1]:
            return pid[:place] + pid[place + 1] + pid[place] + pid[place + 2:]
    return None


def split_pairs(plan):
    """Exams that were restarted: {position of the second study: position of the first}."""
    halves = np.flatnonzero(plan["tag"] == TAG["split"])
    halves = halves[np.lexsort((plan["utc"][halves], plan["person"][halves]))].tolist()
    pairs, place = {}, 0
    while place + 1 < len(halves):
        one, other = halves[place:place + 2]
        if plan["person"][one] == plan["person"][other] and plan["utc"][other] - plan["utc"][one] < HOUR:
            pairs[other] = one
            place += 1
        place += 1
    return pairs


class Archive:
    """The records of one edition, or of a part of a large one; ``planned()`` runs the stages in the order in which they stand."""

    def __init__(self, seed, count, part):
        self.seed, self.count, self.part = seed, count, part
        self.case = story.case_17(seed)
        if part.number:                 # another case than that of the edition, with numbers of its own
            self.case.update(study_uid=f"{self.case['study_uid']}.{part.number}", accession=LETTERS[part.number] + self.case["accession"][1:],
                             planned_study_uid=self.case["planned_study_uid"].replace("2.999.200.7.", f"2.999.200.{7 + part.number}."))
        self.people = People(seed, count)
        if part.number:
            self.people.pid = [pid and re.sub("^(HVTMP|HV|EC-)", rf"\g<1>{part.number}", pid) for pid in self.people.pid]
        self.plan = exams.exams(seed, count, self.people.pools, self.people.roles, self.people.eastcliff)
        self.dirt = Dirt(seed, count)
        self.draws = Draws(seed, "records")
        plan, tag = self.plan, self.plan["tag"]
        self.tagged = {name: np.flatnonzero(tag == place) for name, place in TAG.items()}
        self.the_case = int(self.tagged["case 17"][0])
        self.imported = np.isin(tag, (TAG["eastcliff import"], TAG["eastcliff transfer"]))
        self.locked_out = (plan["device"] == exams.DEVICE["CTER01"]) & (plan["utc"] < story.REPAIRED)
        self.splits = split_pairs(plan)
        # Everyday exams that nothing has happened to yet: each kind of dirt takes its share of them.
        self.clean = (tag == TAG["usual"]) & (plan["procedure"] != PLACE["XCWND"]) & ~self.locked_out

    def soil(self, name, eligible, least, per_million):
        """Choose clean exams for one kind of dirt; they are clean no more."""
        chosen = self.dirt.choose(name, np.flatnonzero(self.clean & eligible), least, per_million)
        self.clean[chosen] = False
        return chosen

    def lately(self, eligible, count):
        """As `soil`: up to `count` of the last 25 days, so that what befell them is in the feed and the logs too."""
        there = np.flatnonzero(self.clean & eligible & (self.plan["created"] > NOW_UTC - 25 * DAY))
        chosen = self.dirt.draws.sample(there, min(count, len(there)))
        self.clean[chosen] = False
        return chosen

    def order(self):
        """Orders, visits and their numbers; which study has which order."""
        plan, roles = self.plan, self.people.roles
        everywhere = np.ones(self.count, dtype=bool)
        has_order = (plan["procedure"] != PLACE["XCWND"]) & ~self.imported
        has_order[list(self.splits)] = False
        has_order[self.soil("study without order", everywhere, 6, 4000)] = False
        self.order_person = plan["person"].copy()
        self.order_person[self.the_case] = roles["P1 temporary"]
        newborn = roles["P6 baby"]
        self.visits, self.visit_of = plan_visits(self.seed, plan, self.order_person, newborn, has_order)
        self.orders = plan_orders(self.seed, plan, self.order_person, newborn, has_order, self.dirt)
        done = np.flatnonzero(self.orders["exam"] >= 0)
        self.order_of = np.full(self.count, -1, dtype=np.int32)
        self.order_of[self.orders["exam"][done]] = done
        for late, early in self.splits.items():
            self.order_of[late] = self.order_of[early]
        self.choose_entries()
        self.accessions, self.planned_uids = number_orders(
            self.orders, plan["patient_class"][self.orders["like"]] == EMERGENCY, int(self.order_of[self.the_case]), self.case, self.part)

    def choose_entries(self):
        """By which order each study was made: `chosen`, which is `order_of` unless the wrong entry of the worklist was taken."""
        plan, tagged = self.plan, self.tagged
        self.chosen = self.order_of.copy()
        swapped = tagged["wrong order"]
        swapped = swapped[np.lexsort((plan["utc"][swapped], plan["person"][swapped]))]
        self.chosen[swapped] = self.order_of[swapped.reshape(-1, 2)[:, ::-1].ravel()]
        by_start = tagged["wrong patient"][np.argsort(plan["utc"][tagged["wrong patient"]], kind="stable")]
        self.mistaken, self.next_one = by_start[::2], by_start[1::2]
        self.chosen[self.mistaken] = self.order_of[self.next_one]
        self.chosen[self.next_one] = -1
        along = np.flatnonzero(self.orders["fate"] == ALONG)
        self.also_did = dict(zip(self.orders["like"][along].tolist(), along.tolist()))      # study: its second order

    def register(self):
        """When each person became known to the archive, and with that their numbers."""
        plan, people = self.plan, self.people
        known = np.full(len(people.name), NOW_UTC)
        np.minimum.at(known, self.order_person[self.orders["like"]], self.orders["ordered"])
        np.minimum.at(known, plan["person"], plan["created"])
        np.minimum.at(known, self.visits["person"], self.visits["admitted"])
        unseen = np.flatnonzero(known == NOW_UTC)
        known[unseen] = (exams.FIRST_DAY + DAY * self.draws.below(exams.DAYS - 1, len(unseen))
                         + self.draws.between(8 * HOUR, 17 * HOUR, len(unseen)))
        known -= 60 + self.draws.below(240, len(known))
        known[people.roles["P1 temporary"]] = story.REGISTERED
        known[people.roles["P1 typed"]] = story.RECEIVED
        number_people(self.seed, people, known, self.part)
        self.known = known.tolist()

    def duplicate(self):
        """Second records of a person: merged ones, and those that a typing error made."""
        plan, people = self.plan, self.people
        ordered = self.order_of >= 0
        self.study_person = plan["person"].copy()
        self.study_person[self.the_case] = people.roles["P1 typed"]
        self.study_person[self.mistaken] = plan["person"][self.next_one]
        self.merged = {}                                     # record: (record it was merged into, when)
        self.chains = []
        alone = plan["patient_class"] != INPATIENT             # a stay has other exams, which keep their record
        settled = ordered & alone & (plan["created"] < NOW_UTC - 3 * DAY)
        pairs = np.union1d(self.lately(settled, 2), self.soil("study of a merged patient", settled, 7, 5000))
        self.dirt.chosen["study of a merged patient"] = pairs
        chains = max(2, len(pairs) // 12)
        for number, exam in enumerate(pairs.tolist()):
            person = int(plan["person"][exam])
            first_heard = min(int(plan["created"][exam]), int(self.orders["ordered"][self.order_of[exam]]))
            other = self.copy(person, self.old_number(number), first_heard - 900)
            self.study_person[exam] = self.order_person[exam] = other
            merge = int(plan["created"][exam]) + DAY
            if number < chains:
                middle = self.copy(person, self.old_number(len(pairs) + number), first_heard - 1800)
                self.merged[other], self.merged[middle] = (middle, merge), (person, merge + 7200)
                self.chains.append((other, middle, person))
            else:
                self.merged[other] = (person, merge)

        used = {pid for pid in people.pid if pid}
        self.typed = []                                       # (record, the person's own record, exam)
        lately = plan["created"] > NOW_UTC - 150 * DAY
        for name, wrong in (("study under an ID with letter O", confusable),
                            ("study under an ID with transposed digits", transposed)):
            able = np.zeros(self.count, dtype=bool)
            for exam in np.flatnonzero(self.clean & ordered & lately).tolist():
                pid = wrong(people.pid[plan["person"][exam]])
                able[exam] = pid is not None and pid not in used
            kept = []
            for exam in np.union1d(self.lately(able, 1), self.soil(name, able, 4, 600)).tolist():
                person = int(plan["person"][exam])
                pid = wrong(people.pid[person])
                if pid not in used:                           # the same person may have been drawn twice
                    used.add(pid)
                    kept.append(exam)
                    self.study_person[exam] = self.copy(person, pid, int(plan["created"][exam]))
                    self.typed.append((int(self.study_person[exam]), person, exam))
            self.dirt.chosen[name] = np.array(kept)

    def old_number(self, number):
        """An identifier of a record that was merged away: every other one temporary, the rest of an old series."""
        number += 100_000 * self.part.number
        return f"HVTMP{5000 + number:04d}" if number % 2 else f"HV0{10000 + 7 * number:05d}"

    def copy(self, person, pid, known):
        """A second record of `person`, known since `known`."""
        self.known.append(known)
        return self.people.copy(person, pid)

    def identify(self):
        """Study UIDs, accession numbers, statuses: what the images brought along, right or wrong."""
        plan, dirt, count = self.plan, self.dirt, self.count
        ordered = self.chosen >= 0
        # How many CTs of March, PET/CTs too, were deleted, or have no images, is planned: see exams.planted.
        elsewhere = ~(np.isin(MODALITIES[plan["procedure"]].astype(str), ("CT", "PT")) & (plan["created"] >= clock.seconds("2025-03-01"))
                      & (plan["created"] < clock.seconds("2025-04-01")))
        accessions, planned_uids, chosen = self.accessions, self.planned_uids, self.chosen      # through `self` the plan would hold itself
        accession = Texts(lambda rows: accessions.of(chosen[rows]), count)
        uid = Texts(lambda rows: planned_uids.of(chosen[rows]), count)
        accession.put(np.flatnonzero(~ordered), None)
        issuer = np.full(count, world.HVGH, dtype=np.int8)
        self.order_issuer = np.full(len(self.orders["like"]), world.HVGH, dtype=np.int8)

        # The scanner invents a UID where it had no worklist entry, or did not use it.
        invented = np.flatnonzero(self.locked_out | ~ordered & ~self.imported)
        last_days = dirt.choose("study UID not the planned one", self.tagged["recent"], 1, 0)
        ignored = np.union1d(last_days, self.soil("study UID not the planned one", ordered, 4, 1000))
        own = np.concatenate((invented, ignored, np.array(list(self.splits), dtype=np.int64)))
        octets = np.array(LAST_OCTETS, dtype="S")[plan["device"][own]]
        uid.put(own, clock.joined(b"2.999.100.", octets, b".20", clock.date_digits(plan["local"][own]), b".", own + 100 + self.part.studies))
        theirs = np.flatnonzero(self.imported)
        dates = clock.date_digits(plan["local"][theirs])
        uid.put(theirs, clock.joined(b"2.999.300.1.20", dates, b".", theirs + 100 + self.part.studies))
        accession.put(theirs, clock.joined(b"E", dates.astype("S2"), b"0", 10000 + 3 * np.arange(len(theirs))))
        issuer[self.imported] = world.ECC
        uid.put([self.the_case], self.case["study_uid"])

        # Accession numbers: lost, cut to the 16 characters of an SH, or used by two authorities.
        lost = self.soil("accession number lost", ordered, 5, 1500)
        typed_without = np.flatnonzero(self.locked_out)[self.draws.happens(600, int(self.locked_out.sum()))]
        accession.put(np.concatenate((lost, typed_without, self.tagged["lockout"], [self.the_case])), None)
        cut = np.union1d(self.lately(ordered, 1),
                         self.soil("accession number cut to 16 characters", ordered, 4, 400))
        dirt.chosen["accession number cut to 16 characters"] = cut
        for number, exam in enumerate(cut.tolist()):
            long = f"ECC-{2021 + number % 4}-{100000 + 10_000 * self.part.number + number // 2:06d}-{10 + 37 * number % 90}"
            order = int(self.order_of[exam])
            self.accessions.put([order], long)
            accession.put([exam], long[:16])
            self.order_issuer[order], issuer[exam] = world.ECC, world.ECC
        reused = dirt.choose("accession number of two issuers", np.flatnonzero(self.imported), 3, 200)
        early = self.soil("accession number used again by Eastcliff",
                          ordered & (plan["created"] < clock.seconds("2023-01-01")), len(reused), 200)
        accession.put(reused, accession.of(early))
        # Eastcliff numbers its orders as Harbour Vale does, so one of its orders has the number of a study here.
        theirs = int(np.flatnonzero(self.orders["fate"] == EASTCLIFFS)[0])
        winter = (plan["created"] > clock.seconds("2025-01-06")) & (plan["created"] < clock.seconds("2025-02-22"))
        namesake = self.soil("accession number of an order of Eastcliff", ordered & winter, 1, 0)
        self.accessions.put([theirs], accession.of(namesake))
        self.order_issuer[theirs] = world.ECC
        accession.put(self.tagged["eastcliff transfer"], accession.of(self.tagged["number of a transfer"]))
        self.accession, self.uid, self.issuer = accession, uid, issuer

        # What else may be wrong with a study.
        age = NOW_UTC - plan["created"]
        self.incomplete = np.union1d(self.lately(ordered, 1),
                                     self.soil("exam never reported complete", ordered, 5, 8000))
        dirt.chosen["exam never reported complete"] = self.incomplete
        self.deleted = np.union1d(self.soil("deleted study", elsewhere, 4, 4000), self.tagged["deleted"])
        self.empty = np.union1d(self.soil("study without images", ordered & elsewhere, 4, 1500), self.tagged["without images"])
        unread = self.soil("study not read", age > 4 * DAY, 6, 6000)

        status = np.full(count, STATUSES.index("READ"), dtype=np.int8)
        fresh = self.draws.below(3 * DAY, count) > age
        status[fresh] = STATUSES.index("VERIFIED")
        wanted = np.isin(MODALITIES[plan["procedure"]].astype(str), ("CT", "MR", "US", "MG"))
        unread_imports = dirt.choose("imported prior not read", np.flatnonzero(self.imported & wanted), 4, 400)
        for exams_ in (unread, unread_imports, self.empty):
            status[exams_] = STATUSES.index("VERIFIED")
        self.no_accession = accession.missing()
        without = self.no_accession & (plan["procedure"] != PLACE["XCWND"])
        doubtful = without & (age < 30 * DAY) | self.locked_out
        doubtful[[exam for _, _, exam in self.typed]] = True
        doubtful[list(self.splits)] = True
        self.status, self.unverified = status, np.flatnonzero(doubtful)
        status[doubtful] = STATUSES.index("UNVERIFIED")
        told_apart = np.flatnonzero(ordered & uid.special)
        differs = [own != planned for own, planned in zip(uid.of(told_apart), self.planned_uids.of(self.chosen[told_apart]))]
        dirt.chosen.update({
            "deleted study": self.deleted, "study without images": self.empty, "unverified study": self.unverified,
            "accession number lost": np.flatnonzero(without & ordered), "eastcliff import": self.tagged["eastcliff import"],
            "second study of one order": np.array(sorted(self.splits), dtype=np.int64),
            "study by a clock one hour behind": np.flatnonzero(self.locked_out & (plan["utc"] >= story.SUMMER_TIME)),
            "study UID not the planned one": told_apart[differs],
        })
        for name in ("february evening", "february edge", "march last day", "march edge", "march evening",
                     "march mixture", "weekend evening", "month end", "wrong order", "two orders", "month ended between its series",
                     "number of a transfer"):
            dirt.chosen[name] = self.tagged[name]
        dirt.chosen["wrong patient"] = self.mistaken
        dirt.chosen["order taken for another patient"] = self.next_one

    def write_names(self):
        """Names and dates of birth as they arrived; the same-named and the twins."""
        people, dirt = self.people, self.dirt
        story_people = len(people.roles)
        received = list(people.name)
        free = np.arange(len(received)) >= story_people + len(names.OTHER_SCRIPTS)
        for tag in ("wrong order", "wrong patient", "two orders", "split", "number given twice"):       # one thing is wrong with them, not two
            free[self.plan["person"][self.tagged[tag]]] = False
        for kind, change in names.MANGLED.items():
            chosen = dirt.draws.sample(np.flatnonzero(free), dirt.much(3, 4000))
            free[chosen] = False
            for person in chosen.tolist():
                received[person] = change(received[person])
            dirt.chosen[f"patient name: {kind}"] = chosen
        free[[*self.merged, *(into for into, _ in self.merged.values()), *(person for _, person, _ in self.typed)]] = False
        ordinary = people.ordinary[len(names.OTHER_SCRIPTS):]
        ordinary = ordinary[free[ordinary]]
        by_age = ordinary[np.argsort(np.array(people.birth)[ordinary], kind="stable")]
        place = 2 * dirt.draws.sample(np.arange(len(by_age) // 2), dirt.much(3, 800))
        twins = np.stack((by_age[place], by_age[place + 1]), axis=1)
        for one, other in twins.tolist():
            family = received[one].split("^")[0]
            received[other] = f"{family}^{received[other].split('^')[1]}"
            people.birth[other] = people.birth[one]
        roles = people.roles
        self.twins = [tuple(pair) for pair in twins.tolist()] + [(roles["P4a"], roles["P4b"])]
        unknown = dirt.draws.sample(np.setdiff1d(ordinary, twins), 2 * dirt.much(2, 300))
        for number, person in enumerate(unknown.tolist()):
            if number % 2:
                people.birth[person] = NEVER
            else:
                people.sex[person] = None if number % 4 else "O"
        self.received = received

    def key(self):
        """Patient records in order of creation: `by_time` their positions, `patient_pk` the key of each position."""
        self.by_time = clock.by_time(self.known)
        self.patient_pk = np.empty(len(self.known), dtype=np.int32)
        self.patient_pk[self.by_time] = self.part.patients + np.arange(1, len(self.known) + 1)

    def tables(self):
        """Yield (table, parts), as ``database.write`` wants them.

        Parts are made when they are asked for: all rows at once would need much memory.
        """
        yield from fixed_rows(self.seed, self.count)
        yield from self.own_tables()

    def own_tables(self):
        """As ``tables``, without those that the plan does not touch."""
        for name, parts in (("patient", self.patient_rows), ("visit", self.visit_rows), ("orders", self.order_rows),
                            ("study", self.study_rows), ("series", self.series_rows), ("instance", self.instance_rows),
                            ("file", self.file_rows)):
            yield name, parts()

    def patient_rows(self):
        people = self.people
        created = np.array(self.known)
        changed = created.copy()
        np.maximum.at(changed, self.study_person, self.plan["created"])
        merged_into = np.full(len(changed), -1)
        for record, (into, when) in self.merged.items():
            merged_into[record] = self.patient_pk[into] - 1        # with those of the parts before
            changed[record] = max(int(changed[record]), when)
        pid, name, sex = (objects_of(values) for values in (people.pid, self.received, people.sex))
        issuer, birth = np.array(people.issuer), np.array(people.birth)
        forms = {text: names.search_form(text) for text in set(self.received)}
        for part in slices(len(created)):
            who = self.by_time[part]
            name_here = name[who].tolist()
            yield {
                "pid": pid[who].tolist(), "issuer_pk": issuer[who].tolist(), "name": name_here,
                "name_norm": [forms[text] for text in name_here], "birth_date": clock.date_text(birth[who]),
                "sex": sex[who].tolist(), "merged_into": or_null(merged_into[who]).tolist(),
                "created_utc": clock.text(created[who]), "updated_utc": clock.text(np.minimum(changed[who], NOW_UTC - 60)),
            }

    def visit_rows(self):
        visits = self.visits
        location = np.empty(len(visits["kind"]), dtype=object)
        for kind, letter in enumerate(exams.CLASSES):
            here = np.flatnonzero(visits["kind"] == kind)
            wards = np.array(world.WARDS[letter], dtype=object)
            location[here] = wards[visits["ward"][here] % np.uint64(len(wards))]
        classes = np.array(list(exams.CLASSES), dtype=object)
        patient = self.patient_pk[self.visit_person()]
        here = visits["discharged"] == NEVER
        left = np.where(here, NEVER, clock.to_local(np.where(here, 0, visits["discharged"])))
        for part in slices(len(location)):
            yield {
                "patient_pk": patient[part].tolist(),
                "visit_number": [f"V{21_000_001 + self.part.visits + place}" for place in range(part.start, part.stop)],
                "class": classes[visits["kind"][part]].tolist(), "location": location[part].tolist(),
                "admitted_local": clock.text(clock.to_local(visits["admitted"][part])),
                "discharged_local": clock.text(left[part]),
            }

    def visit_person(self):
        """Whose visit each is, after second records have taken their exams."""
        person = self.visits["person"].copy()
        has_visit = np.flatnonzero(self.visit_of >= 0)
        person[self.visit_of[has_visit]] = self.order_person[has_visit]
        return person

    def order_rows(self):
        plan, orders = self.plan, self.orders
        like, exam = orders["like"], orders["exam"]
        done = exam >= 0
        kind = np.where(done, plan["patient_class"][like], OUTPATIENT)
        draws = Draws(self.seed, "order rows")
        urgency = draws.below(100, len(like))
        priority = np.where((kind == EMERGENCY) & (urgency < 55), 0,
                            np.where((kind == EMERGENCY) | (kind == INPATIENT) & (urgency < 30), 1, 2))
        statuses = ["COMPLETED", "SCHEDULED", "CANCELLED", "IN PROGRESS"]
        status = np.array([0, 1, 1, 2, 3, 1, 0])[orders["fate"]]
        status[self.order_of[self.mistaken]] = statuses.index("SCHEDULED")
        status[self.order_of[self.incomplete]] = statuses.index("IN PROGRESS")
        refused = np.flatnonzero(self.locked_out & (self.order_of >= 0))
        status[self.order_of[refused]] = statuses.index("SCHEDULED")
        patient = self.patient_pk[np.where(done, self.order_person[exam], plan["person"][like])]
        visit = np.where(done, self.visit_of[exam], -1)
        codes = orders["procedure"]
        body_part = np.where(draws.happens(30, len(like)), len(PROCEDURES), codes)
        first = draws.one(300_000, 399_999)
        # An order names the station by the title that the RIS knew on that day.
        station = np.where((plan["device"][like] == exams.DEVICE["CTER01"]) & (orders["ordered"] < story.REPAIRED),
                           exams.DEVICE["CT_ER"], plan["device"][like])
        station[(station == exams.DEVICE["CT_ER"]) & (orders["ordered"] >= story.REPAIRED)] = exams.DEVICE["CTER01"]
        kinds, number = combined(
            procedure_code=(codes, CODES), procedure_desc=(codes, DESCRIPTIONS), modality=(codes, MODALITIES),
            body_part=(body_part, [procedure.body_part for procedure in PROCEDURES] + [None]),
            priority=(priority, ["STAT", "URGENT", "ROUTINE"]), status=(status, statuses),
            station_aet=(station, objects.SENDERS), issuer_pk=(self.order_issuer, [None, world.HVGH, world.ECC]))
        for part in slices(len(like)):
            yield {
                "patient_pk": patient[part].tolist(), "visit_pk": or_null(visit[part], self.part.visits).tolist(),
                "placer_number": [f"P{first + self.part.orders + place}" for place in range(part.start, part.stop)],
                "accession": self.accessions.of(np.arange(part.start, part.stop)), "ordered_utc": clock.text(orders["ordered"][part]),
                "scheduled_local": clock.text(orders["scheduled"][part]), "study_uid": self.planned_uids.of(np.arange(part.start, part.stop)),
                kinds: number[part].tolist(),
            }

    def study_rows(self):
        plan, count, series = self.plan, self.count, self.series
        draws = Draws(self.seed, "study rows")
        shown, ahead = plan["local"].copy(), clock.offset(plan["utc"])
        behind = self.dirt.chosen["study by a clock one hour behind"]
        shown[behind] -= HOUR
        ahead[behind] = HOUR
        complete = plan["created"] + draws.between(60, 900, count)
        never = (self.chosen < 0) | self.locked_out
        never[self.incomplete] = never[list(self.splits)] = True
        complete[never] = NEVER
        complete = np.minimum(complete, NOW_UTC - 10)
        patient = self.patient_pk[self.study_person]
        # A study has its description from the entry of the worklist by which it was made.
        description = np.where(self.chosen < 0, plan["procedure"], self.orders["procedure"][self.chosen])
        description[draws.happens(15, count)] = len(PROCEDURES)
        deleted = np.zeros(count, dtype=np.int64)
        deleted[self.deleted] = 1
        n_series = np.bincount(series["exam"], minlength=count)
        after = np.cumsum(n_series)                             # where the series of the next study begin

        def total(values):
            so_far = np.append(0, np.cumsum(values))
            return so_far[after] - so_far[after - n_series]

        n_instances, size = total(series["amount"]), total(series["amount"] * objects.SIZES[series["slot"]])
        kinds, number = combined(
            issuer_pk=(np.where(self.no_accession, 0, self.issuer), [None, world.HVGH, world.ECC]),
            tz_offset=(ahead // HOUR, [None, "+0100", "+0200"]), description=(description, [*DESCRIPTIONS, None]),
            mods_in_study=(self.mods, self.mods_texts), status=(self.status, STATUSES), deleted=(deleted, [0, 1]))
        for part in slices(count):
            yield {
                "patient_pk": patient[part].tolist(), "study_uid": self.uid.of(np.arange(part.start, part.stop)),
                "accession": self.accession.of(np.arange(part.start, part.stop)), "study_dt_local": clock.text(shown[part]),
                "n_series": n_series[part].tolist(), "n_instances": n_instances[part].tolist(),
                "size_bytes": size[part].tolist(), "created_utc": clock.text(plan["created"][part]),
                "exam_complete_utc": clock.text(complete[part]), kinds: number[part].tolist(),
            }

    def store(self):
        """What the devices sent, and which series, instances and files went astray."""
        dirt, plan = self.dirt, self.plan
        self.series, self.mods, self.mods_texts = objects.series_of(self.seed, plan, self.empty)
        series = self.series
        total = len(series["exam"])
        # Series whose study was purged by hand: copies of others, under a key that no study has.
        self.orphans = dirt.draws.sample(np.arange(total), dirt.much(5, 250))
        dirt.chosen["orphan series"] = np.arange(total, total + len(self.orphans))

        # The scanner made the UIDs of Case 17 itself.
        self.case_series = {}
        for place in np.flatnonzero(series["exam"] == self.the_case).tolist():
            uid = story.case_series_uid(self.seed, int(objects.NUMBERS[series["slot"][place]]))
            self.case_series[place] = f"{self.case['study_uid']}.{uid.rpartition('.')[2]}"

        self.instances = objects.instances_of(series, objects.kept(plan, self.unverified))
        of_series = self.instances["series"]
        # A scanner that was restarted gave numbers away twice: two images, one SOP Instance UID.
        images = ~np.isin(series["slot"][of_series], objects.NO_IMAGES)
        self.twice = np.array([dirt.draws.sample(np.flatnonzero(images & (series["exam"][of_series] == exam)), 1)[0]
                               for exam in self.tagged["number given twice"]])
        dirt.chosen["two images with one SOP Instance UID"] = self.twice
        usable = np.setdiff1d(np.flatnonzero(series["exam"][of_series] != self.the_case), self.twice)
        share = dirt.much(4, 200)
        chosen = dirt.draws.sample(usable, 4 * share + min(len(of_series) // 10, 4000))
        chosen = chosen[np.argsort(dirt.draws.raw(len(chosen)), kind="stable")]
        for number, name in enumerate(("instance without file", "instance whose file is missing",
                                       "instance whose file is too short", "rejected instance")):
            dirt.chosen[name] = np.sort(chosen[number * share:(number + 1) * share])
        self.copied = np.sort(chosen[4 * share:])

    def series_rows(self):
        series = self.series
        total = len(series["exam"])
        slots = [slot for _, _, slot in objects.SLOTS]
        kinds, kind = combined(
            series_no=(series["slot"], objects.NUMBERS.tolist()), modality=(series["slot"], [slot.modality for slot in slots]),
            description=(series["slot"], [slot.description for slot in slots]),
            body_part=(series["body_part"], objects.BODY_PARTS), laterality=(series["side"], objects.SIDES),
            station_aet=(series["sender"], objects.SENDERS))

        before = self.part

        def rows(keys, places, study):
            amount, uids = series["amount"][places], series_uids(range(before.series + keys.start, before.series + keys.stop))
            for place, uid in self.case_series.items():
                if place + 1 in keys:
                    uids[place + 1 - keys[0]] = uid
            return {
                "study_pk": (before.studies + study.astype(np.int64)).tolist(), "series_uid": uids, "n_instances": amount.tolist(),
                "size_bytes": (amount * objects.SIZES[series["slot"][places]]).tolist(),
                "created_utc": clock.text(series["created"][places]), kinds: kind[places].tolist(),
            }

        for part in slices(total):
            yield rows(range(part.start + 1, part.stop + 1), part, series["exam"][part] + 1)
        many = len(self.orphans)
        yield rows(range(total + 1, total + many + 1), self.orphans, before.all_studies - before.studies + 1000 + np.arange(many))

    def sop_uids(self, places):
        """SOP Instance UIDs of the instances at `places`: a list."""
        series, number = self.instances["series"][places], self.instances["number"][places]
        uids = clock.joined(b"2.999.5.", self.part.series + series + 1, b".", number)
        for place in np.flatnonzero(np.isin(series, list(self.case_series))).tolist():
            uids[place] = f"{self.case_series[int(series[place])]}.{number[place]}"
        return uids

    def instance_rows(self):
        instances = self.instances
        reason = np.full(len(instances["series"]), None, dtype=object)
        rejected = self.dirt.chosen["rejected instance"]
        reason[rejected], reason[rejected[::3]] = "113001", "113038"
        for part in slices(len(reason)):
            series = instances["series"][part]
            yield {
                "series_pk": (self.part.series + series + 1).tolist(), "sop_uid": self.sop_uids(part),
                "sop_class_uid": objects.CLASSES[self.series["slot"][series]].tolist(),
                "instance_no": instances["number"][part].tolist(), "created_utc": clock.text(instances["created"][part]),
                "rejected_code": reason[part].tolist(),
            }

    def file_rows(self):
        """Files of the instances that have one, then second copies of some, then other images under the same UID."""
        chosen, instances, series = self.dirt.chosen, self.instances, self.series
        online = np.setdiff1d(np.arange(len(instances["series"])), chosen["instance without file"])
        places = np.concatenate((online, self.copied, self.twice))
        system = np.repeat([world.ONLINE, world.NEARLINE, world.ONLINE], [len(online), len(self.copied), len(self.twice)])
        other = np.arange(len(places)) >= len(places) - len(self.twice)
        names = np.where(other, "_2.dcm", ".dcm").astype(object)
        content = np.where(other, "other pixels", "").astype(object)
        slot = series["slot"][instances["series"][places]]
        size = objects.SIZES[slot]
        size[np.searchsorted(online, chosen["instance whose file is too short"])] -= 4096
        status = np.full(len(places), "OK", dtype=object)
        status[np.searchsorted(online, chosen["instance whose file is missing"])] = "MISSING"
        for part in slices(len(places)):
            here = places[part]
            folders = zip(clock.text(instances["created"][here]), (self.part.studies + series["exam"][instances["series"][here]] + 1).tolist(),
                          objects.NUMBERS[slot[part]].tolist(), instances["number"][here].tolist(), names[part].tolist())
            yield {
                "instance_pk": (self.part.instances + here + 1).tolist(), "filesystem_pk": system[part].tolist(),
                "path": [f"{day[:10].replace('-', '/')}/{study}/{folder}/{number}{ending}"
                         for day, study, folder, number, ending in folders],
                "size_bytes": size[part].tolist(), "ts_uid": objects.SYNTAXES[slot[part]].tolist(),
                "sha256": objects.checksums(map(str.__add__, self.sop_uids(here), content[part].tolist())), "status": status[part].tolist(),
            }

    def next_part(self):
        """The Part that comes after this one."""
        part = self.part
        return Part(part.number + 1, part.all_studies, part.patients + len(self.known), part.visits + len(self.visits["kind"]),
                    part.orders + len(self.orders["like"]), part.studies + self.count,
                    part.series + len(self.series["exam"]) + len(self.orphans), part.instances + len(self.instances["series"]))

    def truth(self):
        """What was planned: a dict of plain values; keys of rows are the tables' pk."""
        patient = {"patient name: " + kind for kind in names.MANGLED}
        planted = {name: ((self.patient_pk[positions] if name in patient else positions + 1).tolist()
                          if len(positions) else []) for name, positions in sorted(self.dirt.chosen.items())}
        pk = self.patient_pk
        planted["merge chain"] = [[int(pk[record]) for record in chain] for chain in self.chains]
        planted["twins"] = [[int(pk[one]), int(pk[other])] for one, other in self.twins]
        ordered = np.flatnonzero(self.order_of >= 0)
        case = dict(self.case)
        roles = self.people.roles
        case.update(patient_pk=int(pk[roles["P1"]]), typed_patient_pk=int(pk[roles["P1 typed"]]),
                    temporary_patient_pk=int(pk[roles["P1 temporary"]]), study_pk=self.the_case + 1,
                    order_pk=int(self.order_of[self.the_case]) + 1)
        return {
            "case_17": case,
            "people": {role: {"patient_pk": int(pk[person]), "pid": self.people.pid[person],
                              "name": self.people.name[person]} for role, person in roles.items()},
            "planted": planted,
            "typed_for": {int(pk[record]): int(pk[person]) for record, person, _ in self.typed},
            "study_order": {"study_pk": (ordered + 1).tolist(), "order_pk": (self.order_of[ordered] + 1).tolist()},
            "worklist_choice": {int(study) + 1: int(self.chosen[study]) + 1 or None
                                for study in np.flatnonzero(self.chosen != self.order_of)},
            "also_did": {study + 1: order + 1 for study, order in self.also_did.items()},
            "study_person": {"study_pk": list(range(1, self.count + 1)),
                             "patient_pk": pk[self.plan["person"]].tolist(),
                             "began_utc": clock.text(self.plan["utc"])},
        }


def fixed_rows(seed, count):
    """Yield (table, parts), as ``Archive.tables`` does, of the tables that the plan does not touch."""
    def columns(titles, rows):
        return [dict(zip(titles, zip(*rows)))]

    yield "about", columns(("key", "value"), (
        ("hospital", world.NAME), ("notice", INVENTED), ("seed", str(seed)), ("studies", str(count)),
        ("now_local", clock.text([NOW_LOCAL])[0]), ("now_utc", clock.text([NOW_UTC])[0]),
        ("time_zone", world.TIME_ZONE)))
    yield "issuer", columns(("pk", "name", "oid"), world.ISSUERS)
    yield "ae", columns(("aet", "host", "port", "station_name", "modality", "location", "description"),
                        [(aet, host, port, aet if modality else None, modality, location, description)
                         for aet, host, port, modality, location, description in world.DEVICES])
    yield "filesystem", columns(("pk", "mount", "tier", "capacity_bytes"), world.FILE_SYSTEMS)


def planned(seed, count, part):
    """An Archive with its plan made."""
    made = Archive(seed, count, part)
    for stage in (made.order, made.register, made.duplicate, made.identify, made.write_names, made.store, made.key):
        stage()
    return made


class LargeArchive:
    """The records of an edition that is too large to be planned at once.

    It is planned and written part by part, so that its memory does not grow with its size. Each part has its own persons, orders and
    numbers, as if several hospitals shared the archive; the edition's story is told in the first.
    """

    def __init__(self, seed, count):
        self.seed, self.count = seed, count

    def tables(self):
        """As those of an Archive; a table's name comes once for each part."""
        yield from fixed_rows(self.seed, self.count)
        part = Part(0, self.count)
        while part.studies < self.count:
            # The last part is not so small that its planted exams would be more than it has.
            left = self.count - part.studies
            count = left if left <= LARGEST else min(LARGEST, left - LARGEST // 10)
            made = planned(self.seed + (part.number << 32), count, part)
            yield from made.own_tables()
            part = made.next_part()
            del made

    def truth(self):
        """The truth of the first part."""
        return planned(self.seed, LARGEST, Part(0, self.count)).truth()


def archive(seed, count):
    """The archive of edition `seed` with `count` studies: its ``tables()`` and its ``truth()``."""
    return planned(seed, count, Part(0, count)) if count <= LARGEST else LargeArchive(seed, count)
