"""From the plan to the archive's records: orders, visits, patients and studies, and what is wrong with them.

``archive(seed, count)`` is the way in.
"""

import numpy as np

from coursekit.hospital import clock, exams, names, objects, story, world
from coursekit.hospital.catalogue import PLACE, PROCEDURES
from coursekit.hospital.clock import DAY, HOUR, NEVER, NOW_LOCAL, NOW_UTC
from coursekit.hospital.draws import Draws
from coursekit.hospital.exams import EMERGENCY, INPATIENT, OUTPATIENT, TAG
from coursekit.hospital.people import People
from coursekit.hospital.schema import INVENTED

CODES = np.array([procedure.code for procedure in PROCEDURES], dtype=object)
DESCRIPTIONS = np.array([procedure.description for procedure in PROCEDURES], dtype=object)
MODALITIES = np.array([procedure.modality for procedure in PROCEDURES], dtype=object)
BODY_PARTS = np.array([procedure.body_part for procedure in PROCEDURES], dtype=object)
TITLES = np.array([device[0] for device in world.DEVICES], dtype=object)
LAST_OCTETS = [device[1].rsplit(".", 1)[1] for device in world.DEVICES]


def pick(texts, places):
    """The members of the object array `texts` at `places`, as a list."""
    return texts[places].tolist()


def at(values, places, value):
    """Set `values` (a list) to `value` at `places`."""
    for place in places.tolist():
        values[place] = value


def date_digits(times):
    """'YYYYMMDD' for each of `times`: a list."""
    days, place = np.unique(np.asarray(times) // DAY, return_inverse=True)
    return pick(np.array([text.replace("-", "") for text in clock.date_text(days)], dtype=object), place)


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


def plan_orders(seed, plan, has_order, dirt):
    """All orders, by time of ordering: a dict of arrays; `exam` is the position of its exam, -1 if none was done."""
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
    asked = np.minimum(clock.to_utc(start) - draws.spread(((40, 2 * HOUR, 2 * DAY), (60, 2 * DAY, 20 * DAY)), len(start)),
                       NOW_UTC - 1800 - draws.below(6 * HOUR, len(start)))
    orders = {
        "exam": np.concatenate((done, np.full(len(like), -1))),
        "like": np.concatenate((done, like)),
        "ordered": np.concatenate((ordered, asked)),
        "scheduled": np.concatenate((scheduled, start)),
        "fate": np.repeat([0, 1, 2, 3], [len(done), future, never, cancelled]),   # done, future, never, cancelled
    }
    by_time = np.argsort(orders["ordered"], kind="stable")
    return {name: values[by_time] for name, values in orders.items()}


def number_orders(seed, orders, case_place, case):
    """Accession numbers and planned Study Instance UIDs: two lists. They count through each local day."""
    day = clock.to_local(orders["ordered"]) // DAY
    by_day = np.argsort(day, kind="stable")
    first = np.searchsorted(day[by_day], day[by_day], side="left")
    rank = np.empty(len(day), dtype=np.int64)
    rank[by_day] = np.arange(len(day)) - first
    # An edition is a sample of the hospital's orders: it skips the numbers of those it leaves out.
    step = max(1, min(800_000 // len(day), 9000 // (int(rank.max()) + 1)))
    number = 1 + rank * step + Draws(seed, "order numbers").below(step, len(day))
    number[day == clock.seconds("2025-03-30") // DAY] += 50         # Case 17 has a number below
    dates = [digits[2:] for digits in date_digits(day * DAY)]
    accessions = [f"A{date}{count:04d}" for date, count in zip(dates, number.tolist())]
    uids = [f"2.999.200.7.{date}{count:02d}" for date, count in zip(dates, number.tolist())]
    accessions[case_place], uids[case_place] = case["accession"], case["planned_study_uid"]
    return accessions, uids


def plan_visits(seed, plan, person, has_order):
    """Visits: a dict of arrays, and for each exam the position of its visit, -1 if none."""
    draws = Draws(seed, "visits")
    count = len(person)
    referred = (plan["patient_class"] == OUTPATIENT) & draws.happens(550, count)
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
    discharged[discharged > NOW_UTC] = NEVER
    by_time = np.argsort(admitted, kind="stable")
    place = np.empty(total, dtype=np.int64)
    place[by_time] = np.arange(total)
    of_exam = np.full(count, -1)
    of_exam[inside] = place[group]
    ward = draws.raw(total)
    visits = {"person": person[inside[first]][by_time], "kind": kind[by_time], "admitted": admitted[by_time],
              "discharged": discharged[by_time], "ward": ward}
    return visits, of_exam


def number_people(seed, people, created):
    """Give every ordinary person an identifier; numbers grow with the time of registration."""
    for positions, form, first, room in ((people.ordinary, "HV{}", 101000, 890_000),
                                         (people.eastcliff[1:], "EC-{:05d}", 20000, 60_000)):
        gap = max(1, min(7, room // len(positions)))
        positions = positions[np.argsort(created[positions], kind="stable")]
        numbers = first + gap * np.arange(len(positions)) + Draws(seed, form).below(gap, len(positions))
        for person, number in zip(positions.tolist(), numbers.tolist()):
            people.pid[person] = form.format(number)


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
    """The records of one edition; ``archive()`` runs the stages in the order in which they stand, then rows are written."""

    def __init__(self, seed, count):
        self.seed, self.count = seed, count
        self.case = story.case_17(seed)
        self.people = People(seed, count)
        self.plan = exams.exams(seed, count, self.people.pools, self.people.roles, self.people.eastcliff)
        self.dirt = Dirt(seed, count)
        self.draws = Draws(seed, "records")
        plan, tag = self.plan, self.plan["tag"]
        self.tagged = {name: np.flatnonzero(tag == place) for name, place in TAG.items()}
        self.the_case = int(self.tagged["case 17"][0])
        self.imported = tag == TAG["eastcliff import"]
        self.locked_out = (plan["device"] == exams.DEVICE["CTER01"]) & (plan["utc"] < story.REPAIRED)
        self.splits = split_pairs(plan)
        # Everyday exams that nothing has happened to yet: each kind of dirt takes its share of them.
        self.clean = (tag == TAG["usual"]) & (plan["procedure"] != PLACE["XCWND"]) & ~self.locked_out

    def soil(self, name, eligible, least, per_million):
        """Choose clean exams for one kind of dirt; they are clean no more."""
        chosen = self.dirt.choose(name, np.flatnonzero(self.clean & eligible), least, per_million)
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
        self.visits, self.visit_of = plan_visits(self.seed, plan, self.order_person, has_order)
        self.orders = plan_orders(self.seed, plan, has_order, self.dirt)
        done = np.flatnonzero(self.orders["exam"] >= 0)
        self.order_of = np.full(self.count, -1)
        self.order_of[self.orders["exam"][done]] = done
        for late, early in self.splits.items():
            self.order_of[late] = self.order_of[early]
        self.accessions, self.planned_uids = number_orders(
            self.seed, self.orders, int(self.order_of[self.the_case]), self.case)

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
        number_people(self.seed, people, known)
        self.known = known.tolist()

    def duplicate(self):
        """Second records of a person: merged ones, and those that a typing error made."""
        plan, people = self.plan, self.people
        ordered = self.order_of >= 0
        self.study_person = plan["person"].copy()
        self.study_person[self.the_case] = people.roles["P1 typed"]
        self.merged = {}                                     # record: (record it was merged into, when)
        self.chains = []
        alone = plan["patient_class"] != INPATIENT             # a stay has other exams, which keep their record
        pairs = self.soil("study of a merged patient", ordered & alone & (plan["created"] < NOW_UTC - 3 * DAY), 9, 5000)
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
            for exam in self.soil(name, able, 4, 600).tolist():
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
        return f"HVTMP{5000 + number:04d}" if number % 2 else f"HV0{10000 + 7 * number:05d}"

    def copy(self, person, pid, known):
        """A second record of `person`, known since `known`."""
        self.known.append(known)
        return self.people.copy(person, pid)

    def identify(self):
        """Study UIDs, accession numbers, statuses: what the images brought along, right or wrong."""
        plan, dirt, count = self.plan, self.dirt, self.count
        ordered = self.order_of >= 0
        # How many CTs of March were deleted, or have no images, is planned: see exams.planted.
        elsewhere = ~((MODALITIES[plan["procedure"]] == "CT") & (plan["created"] >= clock.seconds("2025-03-01"))
                      & (plan["created"] < clock.seconds("2025-04-01")))
        accession = [self.accessions[order] if order >= 0 else None for order in self.order_of.tolist()]
        issuer = np.full(count, world.HVGH)
        uid = [self.planned_uids[order] if order >= 0 else None for order in self.order_of.tolist()]
        self.order_issuer = [world.HVGH] * len(self.accessions)

        # The scanner invents a UID where it had no worklist entry, or did not use it.
        invented = np.flatnonzero(self.locked_out | ~ordered & ~self.imported)
        ignored = self.soil("study UID not the planned one", ordered, 4, 1000)
        digits = date_digits(plan["local"])
        for exam in np.concatenate((invented, ignored, np.array(list(self.splits), dtype=np.int64))).tolist():
            uid[exam] = f"2.999.100.{LAST_OCTETS[plan['device'][exam]]}.{digits[exam]}.{exam + 100}"
        for number, exam in enumerate(np.flatnonzero(self.imported).tolist()):
            uid[exam] = f"2.999.300.1.{digits[exam]}.{exam + 100}"
            accession[exam] = f"E{digits[exam][2:4]}{10000 + 3 * number:06d}"
        issuer[self.imported] = world.ECC
        uid[self.the_case] = self.case["study_uid"]

        # Accession numbers: lost, cut to the 16 characters of an SH, or used by two authorities.
        lost = self.soil("accession number lost", ordered, 5, 1500)
        typed_without = np.flatnonzero(self.locked_out)[self.draws.happens(600, int(self.locked_out.sum()))]
        for exam in np.concatenate((lost, typed_without, self.tagged["lockout"], [self.the_case])).tolist():
            accession[exam] = None
        for number, exam in enumerate(self.soil("accession number cut to 16 characters", ordered, 4, 400).tolist()):
            long = f"ECC-{2021 + number % 4}-{100000 + number // 2:06d}-{10 + 37 * number % 90}"
            order = int(self.order_of[exam])
            self.accessions[order], accession[exam] = long, long[:16]
            self.order_issuer[order], issuer[exam] = world.ECC, world.ECC
        reused = dirt.choose("accession number of two issuers", np.flatnonzero(self.imported), 3, 200)
        early = self.soil("accession number used again by Eastcliff",
                          ordered & (plan["created"] < clock.seconds("2023-01-01")), len(reused), 200)
        for own, theirs in zip(early.tolist(), reused.tolist()):
            accession[theirs] = accession[own]
        self.accession, self.uid, self.issuer = accession, uid, issuer

        # What else may be wrong with a study.
        age = NOW_UTC - plan["created"]
        self.incomplete = self.soil("exam never reported complete", ordered, 5, 8000)
        self.deleted = np.union1d(self.soil("deleted study", elsewhere, 4, 4000), self.tagged["deleted"])
        self.empty = np.union1d(self.soil("study without images", ordered & elsewhere, 4, 1500), self.tagged["without images"])
        unread = self.soil("study not read", age > 4 * DAY, 6, 6000)

        status = np.full(count, "READ", dtype=object)
        fresh = self.draws.below(3 * DAY, count) > age
        status[fresh] = "VERIFIED"
        for exams_ in (unread, self.empty):
            status[exams_] = "VERIFIED"
        without = np.array([text is None for text in accession]) & (plan["procedure"] != PLACE["XCWND"])
        doubtful = without & (age < 30 * DAY) | self.locked_out
        doubtful[[exam for _, _, exam in self.typed]] = True
        doubtful[list(self.splits)] = True
        self.status, self.unverified = status, np.flatnonzero(doubtful)
        status[doubtful] = "UNVERIFIED"
        dirt.chosen.update({
            "deleted study": self.deleted, "study without images": self.empty, "unverified study": self.unverified,
            "accession number lost": np.flatnonzero(without & ordered), "eastcliff import": np.flatnonzero(self.imported),
            "second study of one order": np.array(sorted(self.splits), dtype=np.int64),
            "study by a clock one hour behind": np.flatnonzero(self.locked_out & (plan["utc"] >= story.SUMMER_TIME)),
            "study UID not the planned one": np.flatnonzero(ordered & np.array(
                [self.planned_uids[order] != text for order, text in zip(self.order_of.tolist(), uid)])),
        })
        for name in ("february evening", "february edge", "march last day", "march edge", "march evening",
                     "march mixture", "weekend evening", "month end"):
            dirt.chosen[name] = self.tagged[name]

    def write_names(self):
        """Names and dates of birth as they arrived; the same-named and the twins."""
        people, dirt = self.people, self.dirt
        story_people = len(people.roles)
        received = list(people.name)
        free = np.arange(story_people + len(names.OTHER_SCRIPTS), len(received))
        for kind, change in names.MANGLED.items():
            chosen = dirt.draws.sample(free, dirt.much(3, 4000))
            free = np.setdiff1d(free, chosen)
            for person in chosen.tolist():
                received[person] = change(received[person])
            dirt.chosen[f"patient name: {kind}"] = chosen
        ordinary = np.setdiff1d(people.ordinary[len(names.OTHER_SCRIPTS):], np.array(list(self.merged) + [
            into for into, _ in self.merged.values()] + [person for _, person, _ in self.typed]))
        ordinary = np.intersect1d(ordinary, free)
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
        self.by_time = np.argsort(np.array(self.known), kind="stable")
        self.patient_pk = np.empty(len(self.known), dtype=np.int64)
        self.patient_pk[self.by_time] = np.arange(1, len(self.known) + 1)

    def tables(self):
        """Yield (table, {column: list}) in the order of the schema, one at a time, as they need much memory."""
        yield from fixed_rows(self.seed, self.count)
        for name, rows in (("patient", self.patient_rows), ("visit", self.visit_rows), ("orders", self.order_rows),
                           ("study", self.study_rows), ("series", self.series_rows), ("instance", self.instance_rows),
                           ("file", self.file_rows)):
            yield name, rows()

    def patient_rows(self):
        people, by_time = self.people, self.by_time
        changed = np.array(self.known)
        np.maximum.at(changed, self.study_person, self.plan["created"])
        merged_into = [None] * len(changed)
        for record, (into, when) in self.merged.items():
            merged_into[record] = int(self.patient_pk[into])
            changed[record] = max(int(changed[record]), when)
        places = by_time.tolist()
        pid, issuer, name, sex, into = ([values[place] for place in places] for values in (
            people.pid, people.issuer, self.received, people.sex, merged_into))
        return {
            "pid": pid, "issuer_pk": issuer, "name": name, "name_norm": [names.search_form(text) for text in name],
            "birth_date": clock.date_text(np.array(people.birth)[by_time]), "sex": sex, "merged_into": into,
            "created_utc": clock.text(np.array(self.known)[by_time]),
            "updated_utc": clock.text(np.minimum(changed, NOW_UTC - 60)[by_time]),
        }

    def visit_rows(self):
        visits = self.visits
        location = np.empty(len(visits["kind"]), dtype=object)
        for kind, letter in enumerate(exams.CLASSES):
            here = np.flatnonzero(visits["kind"] == kind)
            wards = np.array(world.WARDS[letter], dtype=object)
            location[here] = wards[visits["ward"][here] % np.uint64(len(wards))]
        left = visits["discharged"] != NEVER
        return {
            "patient_pk": self.patient_pk[self.visit_person()].tolist(),
            "visit_number": [f"V{number:08d}" for number in range(21_000_001, 21_000_001 + len(location))],
            "class": pick(np.array(list(exams.CLASSES), dtype=object), visits["kind"]),
            "location": location.tolist(), "admitted_local": clock.text(clock.to_local(visits["admitted"])),
            "discharged_local": clock.text(np.where(
                left, clock.to_local(np.where(left, visits["discharged"], 0)), NEVER)),
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
        priority = np.where((kind == EMERGENCY) & (urgency < 55), "STAT",
                            np.where((kind == EMERGENCY) | (kind == INPATIENT) & (urgency < 30), "URGENT", "ROUTINE"))
        status = np.array(["COMPLETED", "SCHEDULED", "SCHEDULED", "CANCELLED"], dtype=object)[orders["fate"]]
        status[self.order_of[self.incomplete]] = "IN PROGRESS"
        refused = np.flatnonzero(self.locked_out & (self.order_of >= 0))
        status[self.order_of[refused]] = "SCHEDULED"
        person = np.where(done, self.order_person[exam], plan["person"][like])
        visit = np.where(done, self.visit_of[exam], -1)
        codes = plan["procedure"][like]
        body_part = BODY_PARTS[codes]
        body_part[draws.happens(30, len(like))] = None
        first = draws.one(300_000, 399_999)
        # An order names the station by the title that the RIS knew on that day.
        station = np.where((plan["device"][like] == exams.DEVICE["CTER01"]) & (orders["ordered"] < story.REPAIRED),
                           exams.DEVICE["CT_ER"], plan["device"][like])
        station[(station == exams.DEVICE["CT_ER"]) & (orders["ordered"] >= story.REPAIRED)] = exams.DEVICE["CTER01"]
        return {
            "patient_pk": self.patient_pk[person].tolist(),
            "visit_pk": [place + 1 if place >= 0 else None for place in visit.tolist()],
            "placer_number": [f"P{number}" for number in range(first, first + len(like))],
            "accession": self.accessions, "issuer_pk": self.order_issuer,
            "procedure_code": pick(CODES, codes), "procedure_desc": pick(DESCRIPTIONS, codes),
            "modality": pick(MODALITIES, codes), "body_part": body_part.tolist(), "priority": priority.tolist(),
            "ordered_utc": clock.text(orders["ordered"]), "scheduled_local": clock.text(orders["scheduled"]),
            "station_aet": pick(TITLES, station), "study_uid": self.planned_uids, "status": status.tolist(),
        }

    def study_rows(self):
        plan, count, series = self.plan, self.count, self.series
        draws = Draws(self.seed, "study rows")
        shown, ahead = plan["local"].copy(), clock.offset(plan["utc"])
        behind = self.dirt.chosen["study by a clock one hour behind"]
        shown[behind] -= HOUR
        ahead[behind] = HOUR
        complete = plan["created"] + draws.between(60, 900, count)
        never = (self.order_of < 0) | self.locked_out
        never[self.incomplete] = never[list(self.splits)] = True
        complete[never] = NEVER
        no_accession = np.array([text is None for text in self.accession])
        description = DESCRIPTIONS[plan["procedure"]]
        description[draws.happens(15, count)] = None
        deleted = np.zeros(count, dtype=np.int64)
        deleted[self.deleted] = 1
        size = np.zeros(count, dtype=np.int64)
        np.add.at(size, series["exam"], series["amount"] * series["bytes_each"])
        instances = np.zeros(count, dtype=np.int64)
        np.add.at(instances, series["exam"], series["amount"])
        return {
            "patient_pk": self.patient_pk[self.study_person].tolist(), "study_uid": self.uid,
            "accession": self.accession,
            "issuer_pk": np.where(no_accession, None, self.issuer.astype(object)).tolist(),
            "study_dt_local": clock.text(shown),
            "tz_offset": pick(np.array(["+0100", "+0200"], dtype=object), ahead // HOUR - 1),
            "description": description.tolist(), "mods_in_study": self.mods,
            "n_series": np.bincount(series["exam"], minlength=count).tolist(),
            "n_instances": instances.tolist(), "size_bytes": size.tolist(), "status": self.status.tolist(),
            "created_utc": clock.text(plan["created"]),
            "exam_complete_utc": clock.text(np.where(complete == NEVER, NEVER, np.minimum(complete, NOW_UTC - 10))),
            "deleted": deleted.tolist(),
        }

    def store(self):
        """What the devices sent, and which series, instances and files went astray."""
        dirt, plan = self.dirt, self.plan
        self.series, self.mods = objects.series_of(self.seed, plan, self.empty)
        series = self.series
        total = len(series["exam"])
        # Series whose study was purged by hand: copies of others, under a key that no study has.
        self.orphans = dirt.draws.sample(np.arange(total), dirt.much(5, 250))
        dirt.chosen["orphan series"] = np.arange(total, total + len(self.orphans))

        self.instances = objects.instances_of(series, objects.kept(plan, self.unverified))
        of_series = self.instances["series"]
        usable = np.flatnonzero(series["exam"][of_series] != self.the_case)
        share = dirt.much(4, 200)
        chosen = dirt.draws.sample(usable, 4 * share + min(len(of_series) // 10, 4000))
        chosen = chosen[np.argsort(dirt.draws.raw(len(chosen)), kind="stable")]
        for number, name in enumerate(("instance without file", "instance whose file is missing",
                                       "instance whose file is too short", "rejected instance")):
            dirt.chosen[name] = np.sort(chosen[number * share:(number + 1) * share])
        self.copied = np.sort(chosen[4 * share:])

    def series_uids(self, places):
        """Series Instance UIDs of the series at `places`: a list."""
        exam, number = self.series["exam"][places].tolist(), self.series["number"][places].tolist()
        return [f"{self.uid[place]}.{count}" for place, count in zip(exam, number)]

    def series_rows(self):
        series, plan = self.series, self.plan
        places = np.concatenate((np.arange(len(series["exam"])), self.orphans))
        study = series["exam"][places] + 1
        study[len(series["exam"]):] = self.count + 1000 + np.arange(len(self.orphans))
        uids = self.series_uids(np.arange(len(series["exam"])))
        uids += [f"2.999.100.9.{number}.1" for number in range(1, len(self.orphans) + 1)]
        abroad = np.flatnonzero(series["sender"] == exams.ELSEWHERE)
        sender = TITLES[np.maximum(series["sender"], 0)]
        sender[abroad] = "ECC_" + MODALITIES[plan["procedure"][series["exam"][abroad]]] + "1"
        return {
            "study_pk": study.tolist(), "series_uid": uids, "series_no": series["number"][places].tolist(),
            "modality": series["modality"][places].tolist(), "body_part": series["body_part"][places].tolist(),
            "laterality": series["laterality"][places].tolist(), "station_aet": sender[places].tolist(),
            "description": series["description"][places].tolist(), "n_instances": series["amount"][places].tolist(),
            "size_bytes": (series["amount"] * series["bytes_each"])[places].tolist(),
            "created_utc": clock.text(series["created"][places]),
        }

    def instance_rows(self):
        held, uids = np.unique(self.instances["series"], return_inverse=True)
        uids = pick(np.array(self.series_uids(held), dtype=object), uids)
        rows = objects.instance_rows(self.series, self.instances, uids)
        rejected = self.dirt.chosen["rejected instance"]
        at(rows["rejected_code"], rejected, "113001")
        at(rows["rejected_code"], rejected[::3], "113038")
        return rows

    def file_rows(self):
        chosen = self.dirt.chosen
        present = np.ones(len(self.instances["series"]), dtype=bool)
        present[chosen["instance without file"]] = False
        online = np.flatnonzero(present)
        files = objects.file_rows(self.series, self.instances, online, self.copied, self.instance_rows()["sop_uid"])
        at(files["status"], np.searchsorted(online, chosen["instance whose file is missing"]), "MISSING")
        for place in np.searchsorted(online, chosen["instance whose file is too short"]).tolist():
            files["size_bytes"][place] -= 4096
        return files

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
            "study_person": {"study_pk": list(range(1, self.count + 1)),
                             "patient_pk": pk[self.plan["person"]].tolist(),
                             "began_utc": clock.text(self.plan["utc"])},
        }


def fixed_rows(seed, count):
    """Yield (table, {column: list}) of the tables that the plan does not touch."""
    def columns(titles, rows):
        return dict(zip(titles, (list(column) for column in zip(*rows))))

    yield "about", columns(("key", "value"), (
        ("hospital", world.NAME), ("notice", INVENTED), ("seed", str(seed)), ("studies", str(count)),
        ("now_local", clock.text([NOW_LOCAL])[0]), ("now_utc", clock.text([NOW_UTC])[0]),
        ("time_zone", world.TIME_ZONE)))
    yield "issuer", columns(("pk", "name", "oid"), world.ISSUERS)
    yield "ae", columns(("aet", "host", "port", "station_name", "modality", "location", "description"),
                        [(aet, host, port, aet if modality else None, modality, location, description)
                         for aet, host, port, modality, location, description in world.DEVICES])
    yield "filesystem", columns(("pk", "mount", "tier", "capacity_bytes"), world.FILE_SYSTEMS)


def archive(seed, count):
    """The archive of edition `seed` with `count` studies: its ``tables()`` and its ``truth()``."""
    made = Archive(seed, count)
    for stage in (made.order, made.register, made.duplicate, made.identify, made.write_names, made.store, made.key):
        stage()
    return made
