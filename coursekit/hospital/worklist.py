"""The modality worklist and the performed procedure steps: what HV_MWL answers, refuses and is told.

``items`` are Scheduled Procedure Steps as C-FIND finds them (DICOM PS3.4 Annex K), filled from the orders as IHE RAD
TF-2 Appendix B maps HL7 to DICOM; ``queries`` is the log of the scanners' queries; ``mpps`` are the Modality Performed
Procedure Steps (PS3.4 Annex F). All times are UTC unless a name says otherwise.
"""

from typing import NamedTuple

from coursekit.hospital import clock, story, world
from coursekit.hospital.clock import DAY, HOUR, NOW_UTC
from coursekit.hospital.flow import (
    ahead,
    digits,
    flow,
    local_digits,
    locked_out,
    span,
    station_location,
)
from coursekit.hospital.incidents import MPPS_REFUSED, WORKLIST_REFUSED, Evidence

KEPT_DAYS = 14               # the RIS takes a step that nobody began off the list so many days after its date
PRIORITIES = {"STAT": "STAT", "URGENT": "HIGH", "ROUTINE": "ROUTINE"}
REFUSED = "A-ASSOCIATE-RJ 1/1/3"        # result permanent, source service-user, reason calling AE not recognised (PS3.8 9.3.4)
DUPLICATE = "0110"                      # N-SET of a step that has ended: processing failure (PS3.4 F.7.2.2.3)

# Why a step was discontinued: DICOM PS3.16 CID 9300.
EQUIPMENT_FAILURE = ("110501", "DCM", "Equipment failure")
WRONG_ENTRY = ("110514", "DCM", "Incorrect worklist entry selected")


class Query(NamedTuple):
    """A worklist query: who asked, for what, and what came of it.

    keys is a dict of the matching keys; status is '0000', or how the association was refused; matches counts the items.
    """

    at_utc: str
    aet: str
    keys: dict
    status: str
    matches: int


class PerformedSeries(NamedTuple):
    """An item of the Performed Series Sequence (0040,0340); the counts are of referenced images and of other objects."""

    series_uid: str
    modality: str
    description: str
    n_images: int
    n_other: int

    @property
    def sop_uids(self):
        """The SOP Instance UIDs that the step refers to: a list."""
        return [f"{self.series_uid}.{number}" for number in range(1, self.n_images + self.n_other + 1)]


class Step(NamedTuple):
    """A performed procedure step.

    status is 'IN PROGRESS', 'COMPLETED', 'DISCONTINUED', or None when the N-CREATE never arrived; `ended_utc` is None
    until the final N-SET; `reason` is the code of a discontinuation, (value, scheme, meaning), or None; `series` is a tuple of
    PerformedSeries, empty until the step has ended; `refusals` is a tuple of (at_utc, operation, how it was refused); `also`
    holds the further items of the Scheduled Step Attributes Sequence (0040,0270) where one step fulfils several orders, a
    tuple of (accession number, Study Instance UID, Requested Procedure ID, Scheduled Procedure Step ID).
    """

    sop_uid: str
    station_aet: str
    patient_id: str
    patient_name: str
    accession: str
    study_uid: str
    procedure_id: str
    scheduled_step_id: str
    modality: str
    started_utc: str
    ended_utc: str
    status: str
    reason: tuple
    series: tuple
    refusals: tuple
    also: tuple = ()


def text(seconds):
    return None if seconds is None else clock.text([seconds])[0]


def held_from_to(f, order):
    """From when to when an order is on the list, seconds UTC: from its arrival until begun, cancelled or given up."""
    study = f.study_of.get(order.pk)
    ends = [order.scheduled - ahead(order.scheduled - HOUR) + KEPT_DAYS * DAY]
    if order.cancelled is not None:
        ends.append(order.cancelled)
    if study and not locked_out(study):
        ends.append(study.began)
    elif order.status not in ("SCHEDULED", "CANCELLED"):
        ends.append(order.scheduled - ahead(order.scheduled - HOUR))     # done before the span began
    return order.ordered + 2, min(ends)


def known_title(aet, at):
    """The AE title under which the RIS plans for the device `aet` at the instant `at`."""
    if aet in ("CT_ER", "CTER01"):
        return "CTER01" if at >= story.REPAIRED else "CT_ER"
    return aet


def items(h, at=None):
    """The worklist as HV_MWL holds it at an instant.

    Parameters
    ----------
    at : str or int, optional
        'YYYY-MM-DD HH:MM:SS' or seconds, UTC, within the 30 days before ``h.now``; that moment if omitted.

    Returns
    -------
    list of dict
        One for each scheduled procedure step, by start. Keys are DICOM keywords, values text (Pregnancy Status a number),
        sequences are lists of one dict each; ``dataset`` makes a pydicom Dataset of one. Dates and times are
        the hospital's wall clock.

    Mapping: IHE RAD TF-2 4.4.4.1 and Appendix B; types: PS3.4 Table K.6-1.
    """
    since, until = span()
    at = until if at is None else clock.seconds(at) if isinstance(at, str) else at
    f = flow(h, since, until)
    found = []
    for order in f.orders.values():
        begins, ends = held_from_to(f, order)
        if begins <= at < ends:
            found += order_items(f, order, at)
    return sorted(found, key=lambda item: (item["ScheduledProcedureStepSequence"][0]["ScheduledProcedureStepStartDate"],
                                           item["ScheduledProcedureStepSequence"][0]["ScheduledProcedureStepStartTime"],
                                           item["ScheduledProcedureStepSequence"][0]["ScheduledProcedureStepID"]))


def order_items(f, order, at):
    patient = case_patient(f, order, at)
    visit = f.visits.get(order.visit_pk)
    start = digits(order.first_scheduled if order.moved is None or at < order.moved else order.scheduled)
    station = known_title(order.station, at)
    oid = f.issuers[patient.issuer]
    return [{
        "SpecificCharacterSet": "ISO_IR 192",
        "AccessionNumber": order.accession[:16],
        "ReferringPhysicianName": referrer(order)[1],
        "PatientName": patient.name, "PatientID": patient.pid,
        "IssuerOfPatientID": patient.issuer,
        "IssuerOfPatientIDQualifiersSequence": [{"UniversalEntityID": oid, "UniversalEntityIDType": "ISO"}],
        "PatientBirthDate": (patient.birth_date or "").replace("-", ""),
        "PatientSex": patient.sex if patient.sex in ("F", "M", "O") else "",
        "AdmissionID": visit.number if visit else "",
        "CurrentPatientLocation": visit.location if visit else "",
        "PregnancyStatus": 3 if order.code == "USOB" else 4,                 # definitely; unknown
        "StudyInstanceUID": order.study_uid,
        "RequestingPhysician": referrer(order)[1],
        "RequestedProcedureDescription": order.description,
        "RequestedProcedureCodeSequence": [code(order.code, order.description)],
        "RequestedProcedureID": order.procedure_id,
        "RequestedProcedurePriority": PRIORITIES[order.priority],
        "PlacerOrderNumberImagingServiceRequest": order.placer,
        "FillerOrderNumberImagingServiceRequest": order.filler,
        "ScheduledProcedureStepSequence": [{
            "Modality": modality, "ScheduledStationAETitle": station, "ScheduledStationName": station,
            "ScheduledProcedureStepLocation": station_location(station)[:16],
            "ScheduledProcedureStepStartDate": start[:8], "ScheduledProcedureStepStartTime": start[8:],
            "ScheduledPerformingPhysicianName": "",
            "ScheduledProcedureStepDescription": meaning, "ScheduledProcedureStepID": step_id,
            "ScheduledProcedureStepStatus": "SCHEDULED",
            "ScheduledProtocolCodeSequence": [code(protocol, meaning)],
        }],
    } for step_id, modality, protocol, meaning in order.steps]


def dataset(item):
    """An item of the worklist as a pydicom ``Dataset``."""
    from pydicom import Dataset
    made = Dataset()
    for keyword, value in item.items():
        setattr(made, keyword, [dataset(inner) for inner in value] if isinstance(value, list) else value)
    return made


def code(value, meaning):
    return {"CodeValue": value, "CodingSchemeDesignator": "99HV", "CodeMeaning": meaning}


# Who refers: number, DICOM PN (family^given^middle^prefix^suffix).
REFERRERS = (("1004", "ASHFORD^MIRIAM^^DR"), ("1011", "TERBRUGGEN^JORIS^^DR"), ("1019", "CASTELO^RITA^^DR"),
             ("1023", "OSEI^NANA^K^DR"), ("1037", "LUND^EBBA^^DR"), ("1042", "BAPTISTE^REMY^^DR"),
             ("1058", "WESTERHOF^TJITSKE^^DR^MD"), ("1063", "HARGREAVES^COLIN^J^DR"), ("1071", "MANCUSO^IDA^^DR"),
             ("1086", "VAN LOON^GERRIT^^DR"), ("1090", "RASK^BIRGER^^DR^PHD"), ("1099", "ACHTERBERG^NOOR^^DR"))


def referrer(order):
    """The referring physician of an order: (number, DICOM PN)."""
    return REFERRERS[order.chance // 3 % len(REFERRERS)]


def case_patient(f, order, at):
    """The patient of an order at an instant, as the RIS has it: it obeyed the merge of Case 17, which the archive refused."""
    patient = f.patient(order.patient_pk, at)
    case = f.case
    if order.pk == case["order_pk"] and at >= story.MERGE_REFUSED:
        return f.patients[case["patient_pk"]]
    return patient


def queries(h, since=None, until=None):
    """The log of the worklist queries: a list of ``Query``, in order of time, from `since` to `until` (as ``mpps``).

    Before each exam its scanner asks for its own steps of the day; the renamed CT is refused until it is repaired.
    """
    since, until = span(since, until)
    f = flow(h, *span())
    asked = []
    for study in f.studies.values():
        station = sender(study)
        if station is None or station not in SPEAKERS:
            continue
        at = study.began - 60 - study.pk * 7919 % 240
        if study.pk == f.case["study_pk"]:
            asked += [(WORKLIST_REFUSED, station, False), (WORKLIST_REFUSED + 105, station, False)]
        elif not locked_out(study):
            asked.append((at, station, True))
        else:
            asked.append((at, station, False))
    counts = Counts(f)
    found = []
    for at, station, heard in sorted(asked):
        if since <= at < until:
            keys = {"ScheduledStationAETitle": station, "Modality": MODALITY_OF[station],
                    "ScheduledProcedureStepStartDate": local_digits(at, False)[:8]}
            found.append((at, station, keys, "0000" if heard else REFUSED, counts.of(station, at) if heard else 0))
    times = clock.text([entry[0] for entry in found])
    return [Query(when, *entry[1:]) for when, entry in zip(times, found)]


class Counts:
    """How many items a station's query of the day gets at an instant."""

    def __init__(self, f):
        self.held = {}
        for order in f.orders.values():
            begins, ends = held_from_to(f, order)
            for due, first, last in ((order.first_scheduled, begins, order.moved), (order.scheduled, order.moved, ends)):
                if first is None:
                    first, last = begins, ends
                    if due != order.scheduled:
                        continue
                elif last is None:
                    continue
                self.held.setdefault((order.station, due // DAY), []).append((first, last, len(order.steps)))

    def of(self, station, at):
        day = (at + ahead(at)) // DAY
        titles = {station, "CT_ER", "CTER01"} if station in ("CT_ER", "CTER01") else {station}
        return sum(number for title in sorted(titles) for first, last, number in self.held.get((title, day), ())
                   if first <= at < last)


MODALITY_OF = {device[0]: device[3] for device in world.DEVICES}
# The photographs of wounds are made without orders; plates and dental sets have no worklist client of their own.
SPEAKERS = {aet for aet, modality in MODALITY_OF.items() if modality and aet not in ("XC_WOUND",)}


def sender(study):
    """The scanner that sent `study`: an AE title, or None if unknown (no images, or imported)."""
    for series in study.series:
        if series.modality not in ("PR", "KO") and series.station in MODALITY_OF:
            return series.station
    return None


def mpps(h, since=None, until=None):
    """The performed procedure steps that began from `since` to `until`: a list of ``Step``, by beginning.

    Parameters
    ----------
    since, until : str or int, optional
        'YYYY-MM-DD HH:MM:SS' or seconds, UTC; the 30 days before ``h.now`` if omitted, and never beyond them.
    """
    since, until = span(since, until)
    f = flow(h, *span())
    faults = {incident.facts["study_uid"]: incident.facts for incident in h.incidents if incident.id.startswith("A1-10")}
    made = []
    for study in f.studies.values():
        order = f.orders.get(study.order_pk)
        if order is None or not since <= study.began < until:
            continue
        made.append((study.began, study_step(f, study, order, faults.get(study.uid))))
        if study.complete and order.chance // 5 % 90 == 0:
            wrong = wrongly_chosen(f, study, order)
            if wrong:
                made.append((study.began - 95, wrong))
    made.sort(key=lambda pair: (pair[0], pair[1].sop_uid))
    return [step for _, step in made]


def step_uid(aet, number):
    """SOP Instance UID of a step: an arc of its own below each device's address."""
    return f"2.999.110.{HOSTS[aet]}.{number}"


HOSTS = {device[0]: device[1].rsplit(".", 1)[1] for device in world.DEVICES}


def study_step(f, study, order, fault):
    station = sender(study) or order.station
    pid, name = f.patients[study.patient_pk].pid, f.patients[study.patient_pk].received
    step_id, modality = order.steps[0][:2]
    uid = step_uid(station, study.pk)
    if locked_out(study):
        began = MPPS_REFUSED if study.pk == f.case["study_pk"] else study.began
        refusals = ((text(began), "N-CREATE", REFUSED),)
        return Step(uid, station, pid, name, study.accession, study.uid, None, None, modality, text(began), None, None, None,
                    (), refusals)
    accession = order.accession[:16]
    common = (uid, station, pid, name, accession, study.uid, order.procedure_id, step_id, modality, text(study.began))
    series = performed(study, fault)
    if study.pk in f.second:
        return Step(*common, text(study.created + 40), "DISCONTINUED", EQUIPMENT_FAILURE, series, ())
    if not study.complete:
        return Step(*common, None, "IN PROGRESS", None, (), ())
    # Some scanners report the end once more; the manager refuses to change what has ended.
    again = study.complete + 75
    refusals = ((text(again), "N-SET", DUPLICATE),) if station == "NM1" and again < NOW_UTC else ()
    other = f.also.get(study.pk)
    also = ((other.accession[:16], other.study_uid, other.procedure_id, other.steps[0][0]),) if other else ()
    return Step(*common, text(study.complete), "COMPLETED", None, series, refusals, also)


def performed(study, fault):
    """The series that the scanner says it made; with a `fault`, the images are counted that never arrived."""
    made = [PerformedSeries(series.uid, series.modality, series.description,
                            *((0, series.amount) if series.modality in ("SR", "KO", "PR") else (series.amount, 0)))
            for series in study.series if series.modality not in ("PR", "KO") and series.station in MODALITY_OF]
    if fault and made:
        place = max(range(len(made)), key=lambda place: made[place].n_images)
        made[place] = made[place]._replace(n_images=made[place].n_images + fault["n_missing"])
    elif fault:
        made = [PerformedSeries(study.uid + ".1", "OT", study.description or "", fault["n_missing"], 0)]
    return tuple(made)


def wrongly_chosen(f, study, order):
    """A step begun with the entry above or below the right one and given up at once, or None if there was no other."""
    station = sender(study)
    at = study.began - 95
    for other in f.orders.values():
        begins, ends = held_from_to(f, other)
        if other.pk != order.pk and other.station == station and begins <= at < ends:
            patient = case_patient(f, other, at)
            step_id, modality = other.steps[0][:2]
            return Step(step_uid(station, f"9{study.pk}"), station, patient.pid, patient.name, other.accession[:16],
                        other.study_uid, other.procedure_id, step_id, modality, text(at), text(at + 50), "DISCONTINUED",
                        WRONG_ENTRY, (), ())
    return None


def trace(h, incident):
    """What worklist and its query log show of `incident`: a list of ``Evidence``."""
    facts, found = incident.facts, []
    if incident.id == "C17":
        for query in queries(h, facts["ordered_utc"], facts["received_utc"]):
            if query.aet == facts["station_aet"] and query.status == REFUSED:
                found.append(Evidence(query.at_utc, "worklist_refused" if not found else "worklist_refused again",
                                      {"station_aet": query.aet}))
        moments = (("before the merge", facts["first_image_utc"]), ("still scheduled", text(NOW_UTC)))
        keys = {"before the merge": "temporary", "still scheduled": "patient"}
    else:
        moments, keys = (("listed", text(clock.seconds(facts["ordered_utc"]) + 10)),), {"listed": "patient"}
    for what, at in moments:
        for item in items(h, at):
            if item["StudyInstanceUID"] == facts["planned_study_uid"]:
                found.append(Evidence(at, what, {"planned_study_uid": item["StudyInstanceUID"],
                                                 keys[what] + "_id": item["PatientID"]}))
                break
    return found


def trace_mpps(h, incident):
    """What the performed procedure steps show of `incident`: a list of ``Evidence``."""
    facts, found = incident.facts, []
    for step in h.mpps:
        if step.study_uid != facts.get("study_uid") or step.reason == WRONG_ENTRY:    # begun for another patient by mistake
            continue
        ids = {"study_uid": step.study_uid, "station_aet": step.station_aet}
        if step.status is None:
            found += [Evidence(at, "mpps_refused", ids) for at, _, _ in step.refusals]
        else:
            ids["study_patient_id"] = step.patient_id
            if "chosen_order_pk" in facts:
                ids["study_accession"] = step.accession
            if "second_accession" in facts:
                ids["second_accession"] = step.also[0][0] if step.also else None
            if "n_missing" in facts:
                listed = sum(series.n_images + series.n_other for series in step.series)
                named = ", ".join(f"'{series.series_uid}'" for series in step.series)
                held = h.pacs.rows(f"SELECT coalesce(sum(n_instances), 0) FROM series WHERE series_uid IN ({named})")[1][0][0]
                ids["n_missing"] = listed - held
            found.append(Evidence(step.started_utc, "began", ids))
            if step.ended_utc:
                found.append(Evidence(step.ended_utc, "complete" if step.status == "COMPLETED" else "discontinued", ids))
    return found


class Worklist:
    """The worklist of one hospital, as ``h.worklist``: ``items(at)`` and `queries`, the log of the last 30 days."""

    def __init__(self, h):
        self._h = h
        self.queries = queries(h)

    def __repr__(self):
        return f"<worklist: {len(self.queries)} queries in the last 30 days>"

    def items(self, at=None):
        """What ``items(h, at)`` gives."""
        return items(self._h, at)
