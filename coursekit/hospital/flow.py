"""Orders, visits, patients and studies of some days, as the interfaces between HIS, RIS, scanners and archive see them.

``flow(h, since, until)`` reads them from the database and the truth of a hospital. What the database does not hold
(when an order was cancelled or moved, which system sent it) is drawn here, once for all who need it, and depends on the
row alone: the feed, the worklist and the performed procedure steps of any span of time agree.
"""

import datetime
from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from coursekit.hospital import clock, story, world
from coursekit.hospital.clock import DAY, HOUR, NOW_UTC
from coursekit.hospital.draws import Draws

SPAN_DAYS = 30
LONGEST_PREADMISSION = 11 * DAY      # no stay is announced longer before
LONGEST_LEAD = 62 * DAY              # no order is placed longer before its exam
CARDIOLOGY = {"XACOR", "IVUS", "IVOCT", "USECHO"}
CHANGES = clock.changes().tolist()


class Patient(NamedTuple):
    """A patient record; `name` is the DICOM PN with the archive's dirt removed, times are seconds (UTC) or None."""

    pk: int
    pid: str
    issuer: str
    received: str
    name: str
    birth_date: str
    sex: str
    merged_into: int
    created: int
    updated: int


class Visit(NamedTuple):
    pk: int
    patient_pk: int
    number: str
    kind: str
    location: str
    admitted: int
    discharged: int
    chance: int


class Stage(NamedTuple):
    """One event in the course of a visit, as the HIS tells it.

    trigger  : event of HL7 chapter 3, 'A01' and so on
    at       : when, seconds UTC
    kind     : patient class afterwards, HL7 table 0004: 'P' before admission, 'I', 'O', 'E'
    place    : where the patient then is
    prior    : where the patient was, if elsewhere, or None
    admitted : when the visit began, seconds UTC; None while it is only planned
    undoes   : of a cancellation: when the event that it takes back happened, seconds UTC; else None
    expected : of a pre-admission: when the patient is awaited, seconds UTC; else None
    """

    trigger: str
    at: int
    kind: str
    place: str
    prior: str = None
    admitted: int = None
    undoes: int = None
    expected: int = None


class Series(NamedTuple):
    uid: str
    number: int
    modality: str
    laterality: str
    station: str
    description: str
    amount: int


class Study(NamedTuple):
    """A study. `order_pk`: the order under which it was made, were it by choosing the wrong entry of the worklist, or None."""

    pk: int
    patient_pk: int
    uid: str
    accession: str
    local: str
    offset: str
    description: str
    status: str
    created: int
    complete: int
    deleted: int
    began: int
    order_pk: int
    series: tuple


class Order(NamedTuple):
    """An order. `moved`: when it was moved from `first_scheduled` to `scheduled` (local); `cancelled`: when; or None."""

    pk: int
    patient_pk: int
    visit_pk: int
    placer: str
    accession: str
    issuer: str
    code: str
    description: str
    modality: str
    body_part: str
    priority: str
    ordered: int
    scheduled: int
    station: str
    study_uid: str
    status: str
    chance: int
    sender: str
    first_scheduled: int
    moved: int
    cancelled: int

    @property
    def filler(self):
        return "F" + self.placer[1:]

    @property
    def procedure_id(self):
        """Requested Procedure ID (0040,1001)."""
        return "RP" + self.placer[1:]

    @property
    def steps(self):
        """The scheduled procedure steps, a tuple of (Scheduled Procedure Step ID, modality, protocol code, its meaning)."""
        number = "SPS" + self.placer[1:]
        if self.code == "PETCT":
            return ((number + "A", "PT", "PETWB", "PET whole body FDG"), (number + "B", "CT", "CTAC", "CT for attenuation"))
        return ((number, self.modality, self.code + "-1", self.description + " routine"),)


def seconds_of(texts):
    """'YYYY-MM-DD HH:MM:SS' texts, or None, as a list of seconds or None."""
    times = np.array([text or "1970-01-01 00:00:00" for text in texts], dtype="datetime64[s]").astype(np.int64).tolist()
    return [time if text else None for time, text in zip(times, texts)]


def ahead(utc):
    """How far the wall clock is ahead of UTC at the instant `utc`, seconds; for one instant."""
    return HOUR + HOUR * (bisect_right(CHANGES, utc) % 2)


@lru_cache(maxsize=4096)
def day_digits(day):
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).strftime("%Y%m%d")


def digits(seconds):
    """'YYYYMMDDHHMMSS' of `seconds`."""
    day, second = divmod(seconds, DAY)
    return f"{day_digits(day)}{second // 3600:02d}{second // 60 % 60:02d}{second % 60:02d}"


def local_digits(utc, zone=True):
    """The wall clock at `utc` as an HL7 time, with the offset from UTC if `zone`."""
    offset = ahead(utc)
    return digits(utc + offset) + (f"+0{offset // HOUR}00" if zone else "")


def clean_name(name):
    """A name as received by the archive, as the HIS holds it: DICOM PN in capitals, its alphabetic group first."""
    name = name.strip().rstrip("^")
    if "^" not in name and "," in name:
        name = "^".join(part.strip() for part in name.split(","))
    first, *others = name.split("=")
    return "=".join([first.upper(), *others])


def sender_of(code, issuer, visit_pk, modality, chance):
    """Which system sends the order: RIS, the cardiology system or that of Eastcliff Clinic."""
    if issuer == "ECC" or visit_pk is None and modality in ("CT", "MR", "US") and chance % 3 == 0:
        return "ECC_RIS"
    return "CARD" if code in CARDIOLOGY else "RIS"


def span(since=None, until=None):
    """(since, until) as seconds UTC, from 'YYYY-MM-DD HH:MM:SS' (UTC), seconds, or None: the last 30 days until now."""
    read = [clock.seconds(when) if isinstance(when, str) else when for when in (since, until)]
    end = NOW_UTC if read[1] is None else min(read[1], NOW_UTC)
    return (end - SPAN_DAYS * DAY if read[0] is None else read[0]), end


class Flow:
    """What happened from `since` to `until` (seconds, UTC): dicts by key of `patients`, `visits`, `orders`, `studies`."""

    def __init__(self, h, since, until):
        self.since, self.until = since, until
        first, last = clock.text([since, until])
        early = clock.text([since - LONGEST_LEAD])[0]
        truth = h.truth
        rows = h.pacs.rows

        self.case = truth["case_17"]
        self.second = set(truth["planted"]["second study of one order"])
        issuers = dict(rows("SELECT pk, name FROM issuer")[1])
        self.issuers = dict(rows("SELECT name, oid FROM issuer")[1])
        self.studies = self.read_studies(rows, first, last, truth)
        self.orders = self.read_orders(h.seed, rows, early, last, issuers)
        self.study_of = {}
        for study in self.studies.values():
            if study.order_pk in self.orders:
                self.study_of.setdefault(study.order_pk, study)      # the first, where an order has two
        self.also = {}                                               # study: the second order that it fulfils
        for study_pk, order_pk in truth["also_did"].items():
            if study_pk in self.studies and order_pk in self.orders:
                self.also[study_pk] = self.orders[order_pk]
                self.study_of[order_pk] = self.studies[study_pk]
        self.visits = self.read_visits(h.seed, rows, early, last)
        self.courses = {}
        self.patients = self.read_patients(rows, first, last, early, issuers)

    def read_studies(self, rows, first, last, truth):
        _, table = rows("SELECT pk, patient_pk, study_uid, accession, study_dt_local, tz_offset, description, status, "
                        "created_utc, exam_complete_utc, deleted FROM study "
                        f"WHERE created_utc >= '{first}' AND created_utc < '{last}'")
        if not table:
            return {}
        _, series = rows("SELECT study_pk, series_uid, series_no, modality, laterality, station_aet, description, "
                         "n_instances FROM series WHERE study_pk IN (SELECT pk FROM study "
                         f"WHERE created_utc >= '{first}' AND created_utc < '{last}') ORDER BY pk")
        held = {}
        for study_pk, *rest in series:
            held.setdefault(study_pk, []).append(Series(*rest))
        wanted = {row[0] for row in table}
        pairs = truth["study_order"]
        order_of = {study: order for study, order in zip(pairs["study_pk"], pairs["order_pk"]) if study in wanted}
        order_of.update({study: order for study, order in truth["worklist_choice"].items() if study in wanted})
        began = seconds_of([truth["study_person"]["began_utc"][pk - 1] for pk, *_ in table])
        created, complete = seconds_of([row[8] for row in table]), seconds_of([row[9] for row in table])
        return {row[0]: Study(*row[:8], created[n], complete[n], row[10], began[n], order_of.get(row[0]),
                              tuple(held.get(row[0], ()))) for n, row in enumerate(table)}

    def read_orders(self, seed, rows, early, last, issuers):
        _, table = rows("SELECT pk, patient_pk, visit_pk, placer_number, accession, issuer_pk, procedure_code, "
                        "procedure_desc, modality, body_part, priority, ordered_utc, scheduled_local, station_aet, "
                        f"study_uid, status FROM orders WHERE ordered_utc >= '{early}' AND ordered_utc < '{last}'")
        if not table:
            return {}
        ordered, scheduled = seconds_of([row[11] for row in table]), seconds_of([row[12] for row in table])
        chances = Draws(seed, "flow of orders").raw(table[-1][0]).tolist()
        orders = {}
        for n, row in enumerate(table):
            pk, visit_pk, code, modality, status = row[0], row[2], row[6], row[8], row[15]
            chance, placed, due = chances[pk - 1], ordered[n], scheduled[n]
            issuer = issuers[row[5]]
            wait = due - ahead(placed) - placed
            moved = cancelled = None
            first_due = due
            if status == "CANCELLED":
                cancelled = min(placed + max(wait, HOUR) * (30 + chance // 7 % 60) // 100, NOW_UTC - 600)
            elif wait > 2 * DAY and chance // 11 % 25 == 0:
                moved = placed + wait * (20 + chance // 7 % 40) // 100
                if moved < NOW_UTC - 600:
                    first_due = due + DAY * (1 + chance // 17 % 3)
                else:
                    moved = None
            orders[pk] = Order(pk, row[1], visit_pk, row[3], row[4], issuer, code, row[7], modality, *row[9:11], placed, due,
                               *row[13:16], chance, sender_of(code, issuer, visit_pk, modality, chance),
                               first_due, moved, cancelled)
        return orders

    def read_visits(self, seed, rows, early, last):
        _, table = rows("SELECT pk, patient_pk, visit_number, class, location, admitted_local, discharged_local FROM visit "
                        f"WHERE admitted_local >= '{early}' AND admitted_local < date('{last}', '+1 day')")
        if not table:
            return {}
        admitted = clock.to_utc(np.array(seconds_of([row[5] for row in table]))).tolist()
        discharged = [None if left is None else left - ahead(left - HOUR) for left in seconds_of([row[6] for row in table])]
        keys = np.array([row[0] for row in table])
        chances = Draws(seed, "feed of visits").raw(int(keys.max()))[keys - 1].tolist()
        return {row[0]: Visit(*row[:5], came, left, chance)
                for row, came, left, chance in zip(table, admitted, discharged, chances)}

    def read_patients(self, rows, first, last, early, issuers):
        """Those of the orders, visits and studies, those registered or changed, and the records they were merged into."""
        day_after = f"date('{last}', '+1 day')"
        _, table = rows(
            "WITH RECURSIVE wanted(pk) AS (SELECT patient_pk FROM orders "
            f"WHERE ordered_utc >= '{early}' AND ordered_utc < '{last}' UNION SELECT patient_pk FROM visit "
            f"WHERE admitted_local >= '{early}' AND admitted_local < {day_after} UNION SELECT patient_pk FROM study "
            f"WHERE created_utc >= '{first}' AND created_utc < '{last}' UNION SELECT pk FROM patient "
            f"WHERE updated_utc >= '{first}' AND created_utc < '{last}' UNION VALUES ({self.case['patient_pk']}) "
            "UNION SELECT merged_into FROM patient "
            "JOIN wanted USING (pk) WHERE merged_into IS NOT NULL) "
            "SELECT pk, pid, issuer_pk, name, birth_date, sex, merged_into, created_utc, updated_utc "
            "FROM patient JOIN wanted USING (pk) ORDER BY pk")
        created, updated = seconds_of([row[7] for row in table]), seconds_of([row[8] for row in table])
        return {row[0]: Patient(row[0], row[1], issuers[row[2]], row[3], clean_name(row[3]), row[4], row[5], row[6],
                                created[n], updated[n]) for n, row in enumerate(table)}

    def patient(self, pk, at):
        """The patient record that `pk` stands for at the instant `at`, as HIS and RIS see it: merges followed."""
        record = self.patients[pk]
        while record.merged_into is not None and record.updated <= at:
            record = self.patients[record.merged_into]
        return record

    def course(self, visit):
        """What became of a visit, one ``Stage`` after the other: a tuple.

        Class, place, admission and discharge end as the database has them; what was cancelled or changed on the way is
        known to the HIS alone.
        """
        if visit.pk not in self.courses:
            self.courses[visit.pk] = tuple(self.stages(visit))
        return self.courses[visit.pk]

    def stages(self, visit):
        chance, came, place = visit.chance, visit.admitted, visit.location
        left = NOW_UTC if visit.discharged is None else visit.discharged
        if visit.kind == "E" or visit.kind == "O" and chance // 37 % 15:
            yield Stage("A04", came, visit.kind, place, None, came)
        elif visit.kind == "O":
            ward = "Ward 2A" if chance // 43 % 2 else "Ward 3B"
            yield Stage("A01", came, "I", ward, None, came)
            yield Stage("A07", came + 120 + chance // 47 % 480, "O", place, ward, came)
        elif chance % 5 < 2:
            at = came + 7200 + chance // 7 % 7200
            seen_first = chance // 17 % 2
            yield Stage("A04" if seen_first else "A01", came, "E" if seen_first else "I", "Emergency", None, came)
            yield Stage("A06" if seen_first else "A02", at, "I", place, "Emergency", came)
        else:
            announced = self.announced(visit)
            if announced:
                yield Stage("A05", announced, "P", place, expected=came - came % 1800)
                if chance // 31 % 8 == 0:
                    early = came - 2 * HOUR - chance // 53 % (3 * HOUR)
                    yield Stage("A01", early, "I", place, None, early)
                    yield Stage("A11", early + 300 + chance // 59 % 1800, "I", place, None, early, early)
            yield Stage("A01", came, "I", place, None, came)
        if visit.kind != "I":
            if visit.kind == "E" and visit.discharged is not None:
                yield Stage("A03", left, "E", place, None, came)
            return
        if chance // 23 % 12 == 0 and left - came > 2 * DAY:
            others = [ward for ward in world.WARDS["I"] if ward != place]
            other, at = others[chance // 43 % len(others)], came + DAY + chance // 61 % (4 * HOUR)
            yield Stage("A02", at, "I", other, place, came)
            yield Stage("A12", at + 300 + chance // 67 % 1500, "I", place, other, came, at)
        if chance // 29 % 12 == 0 and left - came > 2 * DAY:
            early = left - 6 * HOUR - chance // 71 % (4 * HOUR)
            yield Stage("A03", early, "I", place, None, came)
            yield Stage("A13", early + 900 + chance // 73 % 2700, "I", place, None, came, early)
        if visit.discharged is not None:
            yield Stage("A03", left, "I", place, None, came)

    def announced(self, visit):
        """When an inpatient was pre-admitted, seconds UTC; None for one who was not expected."""
        came, chance = visit.admitted, visit.chance
        local = came + ahead(came)
        if not 7 * HOUR <= local % DAY < 17 * HOUR or chance // 19 % 2:
            return None
        at = local - local % DAY - (2 + chance // 41 % 8) * DAY + 9 * HOUR + chance // 53 % (7 * HOUR)
        at -= ahead(at - HOUR)
        return at if self.patients[visit.patient_pk].created < at else None

    def standing(self, visit, at):
        """Class and place of a visit's patient at the instant `at`, (kind, place); where they will be if not yet come."""
        kind, place = visit.kind, visit.location
        for stage in self.course(visit):
            if stage.at > at:
                break
            if stage.admitted == visit.admitted:
                kind, place = stage.kind, stage.place
        return kind, place


def locked_out(study):
    """Whether the scanner that made `study` was refused by worklist and MPPS (the renamed CT, until it was repaired)."""
    return (story.RENAMED <= study.began < story.REPAIRED
            and any(series.station == "CTER01" for series in study.series))


def station_location(aet):
    """Where the device `aet` stands."""
    return LOCATIONS.get(aet, "")


LOCATIONS = {device[0]: device[4] for device in world.DEVICES}


@lru_cache(maxsize=4)
def flow(h, since, until):
    """The ``Flow`` of hospital `h`; `since` and `until` in seconds UTC, as ``span`` gives them."""
    return Flow(h, since, until)
