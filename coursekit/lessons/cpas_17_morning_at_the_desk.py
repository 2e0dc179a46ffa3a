"""A morning at the associate's desk: the tier's project. Eight tickets across all systems, and the note for the next shift."""

import ast
import contextlib
import copy
import datetime
import difflib
import io
import ipaddress
import re
import textwrap
from functools import cache

from coursekit.checking import Choice, Config, Fields, File, Lesson, Query, Set, Table, Text
from coursekit.checking.kinds.base import Difference, Kind
from coursekit.checking.lesson import Editions
from coursekit.checking.reading import Unclear, Unreadable, is_a, is_library, short
from coursekit.checking.verdict import Outcome, Verdict
from coursekit.hospital import bytes as artefacts
from coursekit.hospital import router as prefetch
from coursekit.hospital import hospital as hospital_of
from coursekit.hospital import story
from coursekit.hospital.draws import Draws
from coursekit.lessons import cpas_05_relational_databases as relational
from coursekit.lessons import cpas_09_prefetching as prefetching
from coursekit.lessons import cpas_11_new_workstation as workstation
from coursekit.lessons import cpas_12_unix_server as unix
from coursekit.standards import objects
from coursekit.standards.dicom import uid
from coursekit.systems.network import Host, Network, Printed, Segment

lesson = Lesson(
    "cpas-17",
    title="A morning at the associate's desk",
    version=1,
    minutes=120,
    objectives=[
        "decide which system can answer a ticket that names none",
        "work through a morning's tickets without help, at a hospital that you have not seen",
        "see when two tickets are one incident, and hand over what is still open",
    ],
    covers=["the associate's work as a whole: a project across all systems"],
    needs=["cpas-06", "cpas-07", "cpas-09", "cpas-11", "cpas-12", "cpas-14", "cpas-16"],
    edition=412,
    asked_only=True,
)

NOW = "20250407073500+0200"
FRIDAY = "20250404165200+0200"
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April")


# --- what happened

def _mistaken(hospital):
    """The facts of the exam that was made with the worklist entry of another patient."""
    return next(one.facts for one in hospital.incidents if one.id.startswith("A1-04") and len(one.systems) > 1)


def _of_the_night(hospital):
    """Whether the fragment of ticket 6 is of the emergency CT, and not of the exam with the wrong worklist entry."""
    return Draws(hospital.seed, "cpas-17 fragment").one(0, 1) == 1


def _fragment_of(hospital):
    """What the fragment's header says and what is true of it: a dict."""
    if _of_the_night(hospital):
        case = hospital.truth["case_17"]
        return {"modality": "CT", "sop_class": artefacts.CT_IMAGE_STORAGE, "part": "HEAD", "station": case["station_aet"], "accession": "",
                "began": case["study_dt_local"], "study_uid": case["study_uid"], "series_uid": story.case_series_uid(hospital.seed, 2),
                "patient_id": case["typed_id"], "patient_name": case["typed_name"], "right_id": case["patient_id"],
                "order": case["accession"], "planned_uid": case["planned_study_uid"], "series": 2, "number": 14}
    facts = _mistaken(hospital)
    began, series, place = hospital.pacs.rows(
        "SELECT s.study_dt_local, r.series_uid, r.series_no FROM study s JOIN series r ON r.study_pk = s.pk AND r.modality = 'DX' "
        f"WHERE s.pk = {facts['study_pk']} ORDER BY r.series_no")[1][0]
    return {"modality": "DX", "sop_class": "1.2.840.10008.5.1.4.1.1.1.1", "part": "HAND", "station": facts["station_aet"],
            "accession": facts["study_accession"], "began": began, "study_uid": facts["study_uid"], "series_uid": series,
            "patient_id": facts["study_patient_id"], "patient_name": facts["study_patient_name"].strip(), "right_id": facts["patient_id"],
            "order": facts["accession"], "planned_uid": facts["planned_study_uid"], "series": place, "number": 1}


def _day(text):
    """'Thursday 20 March' of a date as text."""
    day = datetime.date.fromisoformat(text[:10])
    return f"{DAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}"


def _spoken(name):
    """'Kramer, Tessa' of a DICOM name."""
    family, *given = [part.title() for part in name.strip().split("^")]
    return f"{family}, {' '.join(given)}"


# --- the desk

# As they came in; what stands in braces differs from edition to edition.
TICKETS = (
    """1 · 07:31 · phone, orthopaedic clinic

    "We have {patient}, born {born}, {patient_id}, here at nine. The {exam} was on {day} at {time}, on {station}; the patient remembers
    it well. In our viewer there is nothing, and the RIS says SCHEDULED, as if nobody had come. Where are the pictures?"
    """,
    """2 · 07:34 · note on the keyboard

    "The CT of the unconscious woman of 30 March, study {case_uid}. Registration knows now who she is: {case_name}, {case_id}. The merge
    of the emergency record {temporary_id} into hers never reached the archive, so in `orders` her order still stands under that record.

    On Friday I began to correct the objects, HV_PACS as the modifying system. One I finished. In one I only got the patient ID right.
    One I did not touch. I no longer know which is which. They are in `slices`. At eight they go back into the archive, as you leave
    them. Thanks! D."
    """,
    """3 · 07:38 · phone, chest reading room

    "WS_CH1 went with us into the annex on Saturday. Since then its list stays empty. The movers say they typed in what the network
    group had written: annex: network {annex}, router at the first usable address, WS_CH1 at the tenth usable address. Firewall: as in
    the old room, from the archive to ports 104 and 11112.

    And the vendor has put in a new receiver. It listens on 11112, no longer on 104."
    """,
    """4 · 07:40 · mail, head of radiology

    "Our reading list shows {shown} exams of the past four weeks (10 March to 6 April) that nobody has read. I do not believe it. How
    many are there really, and how many of them does no list show? I take the numbers to the board at eight."
    """,
    """5 · 07:41 · mail, breast clinic

    "In March some of the images that the archive was to send to WS_MG1 never came. The vendor would start those jobs again if we
    had their numbers: on hv-app1, below /var/spool/hvpacs/done, each send job has left a small file. We cannot read files there. The
    copy of the server at your desk is of 31 March."
    """,
    """6 · 07:44 · mail, general practitioner

    "A colleague forwarded a picture of one of my patients, but the mail system cut the attachment off after {octets} bytes. No viewer
    opens it. Can you at least tell me whose ID stands in it, from which study it is, and when the picture was acquired?"
    """,
    """7 · 07:47 · phone, {readers}

    "Somebody tidied up the router's rule file on Thursday. Since then we wait for our comparison images, with nearly every exam.
    Others do not complain. Put that one line right, please, and do not touch the rest."
    """,
    """8 · 07:52 · phone, head of physiotherapy

    "{employee}, born {employee_born}, {employee_id}, works in my team. She had an MR here on 12 March, sent by {sender}, never as an
    inpatient, and we never treated her. Now the whole team knows what was found. I want to know who has looked at her images. Send me
    the names, quickly, then I will talk to them."
    """,
)
READERS = {5: "reading room, abdominal CT", 6: "neuroradiology", 7: "breast clinic"}


@lesson.input
def tickets(hospital):
    """The tickets of the morning, as they came in: a dict from number to text."""
    facts = _facts(hospital)
    return {number: Printed(_wrapped(text.format(**facts))) for number, text in enumerate(TICKETS, 1)}


def _wrapped(text):
    """The paragraphs of a text in lines of readable length."""
    return "\n\n".join([textwrap.fill(" ".join(part.split()), 100) for part in text.strip().split("\n\n")])


def _facts(hospital):
    """What the tickets say of this edition."""
    mistaken, looked_up = _mistaken(hospital), _looked_up(hospital)
    name, born, exam, scheduled, station = hospital.pacs.rows(
        "SELECT p.name, p.birth_date, o.procedure_desc, o.scheduled_local, o.station_aet FROM orders o "
        f"JOIN patient p ON p.pk = o.patient_pk WHERE o.pk = {mistaken['order_pk']}")[1][0]
    sent = hospital.pacs.rows(
        "SELECT v.location FROM study s JOIN orders o ON o.accession = s.accession JOIN visit v ON v.pk = o.visit_pk "
        f"WHERE s.study_uid = '{looked_up['study_uid']}'")[1]
    waiting, unseen = hospital.pacs.rows(WAITING)[1][0]
    case, (employee, _, employee_born, employee_id) = hospital.truth["case_17"], story.people(hospital.seed)["P7"]
    return {
        "patient": _spoken(name), "born": born, "patient_id": mistaken["patient_id"], "exam": exam, "day": _day(scheduled),
        "time": scheduled[11:16], "station": station, "case_uid": case["study_uid"], "case_name": _spoken(case["patient_name"]),
        "case_id": case["patient_id"], "temporary_id": case["temporary_id"], "annex": _annex(hospital)[0],
        "shown": waiting - unseen, "octets": len(fragment(hospital)), "readers": READERS[_spoilt(hospital)[0]],
        "employee": _spoken(employee), "employee_born": employee_born, "employee_id": employee_id,
        "sender": f"our {sent[0][0]}" if sent else "her general practitioner",
    }


@lesson.input
def pacs(hospital):
    """The archive's database."""
    return hospital.pacs


# --- 1

def _studies(pacs, where):
    return pacs.rows("SELECT s.study_uid FROM study s JOIN series r ON r.study_pk = s.pk JOIN patient p ON p.pk = s.patient_pk "
                     f"WHERE s.deleted = 0 AND {where}")[1]


@lesson.input
def ticket_1(hospital):
    """What ticket 1 says, as a dictionary."""
    facts = _mistaken(hospital)
    scheduled, = hospital.pacs.rows(f"SELECT scheduled_local FROM orders WHERE pk = {facts['order_pk']}")[1][0]
    return {"patient_id": facts["patient_id"], "station": facts["station_aet"], "scheduled": scheduled}


def _order_of(pacs, ticket_1):
    """(accession number, planned Study Instance UID) of the order of ticket 1."""
    return pacs.rows("SELECT o.accession, o.study_uid FROM orders o JOIN patient p ON p.pk = o.patient_pk "
                     f"WHERE p.pid = '{ticket_1['patient_id']}' AND o.scheduled_local = '{ticket_1['scheduled']}'")[1][0]


def study(value):
    """A UID as ``uid`` reads it, from what may stand before it as well: "urn:oid:2.999.1", "Study Instance UID 2.999.1"."""
    return uid(re.sub(r"^\D+(?=[012]\.)", "", value) if is_a(value, str) else value)


class OneStudy(Text):
    """A study of the archive, by its Study Instance UID; of another one it is told what is at odds with ticket 1."""

    def judge(self, exercise, given, editions):
        """As for every text; where no wrong way speaks, the archive's own rows do."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label not in ("value", "typing"):
            return verdict
        given, said = self.read(*given), exercise.lesson.input_of("ticket_1", editions.own)
        if editions.own.pacs.rows(f"SELECT pk FROM series WHERE series_uid = '{given}'")[1]:
            return Verdict(Outcome.NOT_YET, "That is the UID of a series. Asked is that of the study.", "series")
        found = editions.own.pacs.rows(
            "SELECT s.study_dt_local, r.station_aet FROM study s LEFT JOIN series r ON r.study_pk = s.pk "
            f"WHERE s.study_uid = '{given}' ORDER BY r.station_aet = '{said['station']}' DESC")[1]
        if not found:
            return Verdict(Outcome.NOT_YET, "No study in the archive has this UID.", "unknown")
        began, station = found[0]
        if station != said["station"]:
            return Verdict(Outcome.NOT_YET, "That study was made on another device than the one that the ticket names.", "device")
        if began[:10] != said["scheduled"][:10]:
            return Verdict(Outcome.NOT_YET, "That study was made on the right device, but not on the day of the appointment.", "day")
        return Verdict(Outcome.NOT_YET, "Device and day are right. But does the body part of this study contradict what it is called? "
                       "In one study of that day it does.", "in order")


@lesson.exercise
class TheHand:
    """Ticket 1. **Which study holds the pictures?** Give its Study Instance UID."""

    answer = OneStudy("study_uid", reading=study)
    points = 3
    praise = (
        "The entry of the next patient was chosen at the worklist. Whoever opens that folder sees a stranger's hand: this goes on, see the "
        "end of the morning."
    )

    def solution(pacs, ticket_1):
        # What the room sent on that day, and for what: the body part tells the stranger.
        found = pacs.sql(f"""
            SELECT study.study_uid, study.study_dt_local, study.description, series.body_part
            FROM study JOIN series ON series.study_pk = study.pk
            WHERE series.station_aet = '{ticket_1["station"]}' AND series.body_part = 'HAND'
              AND study.study_dt_local LIKE '{ticket_1["scheduled"][:10]}%' AND coalesce(study.description, '') NOT LIKE '%HAND%'
            ORDER BY abs(strftime('%s', study.study_dt_local) - strftime('%s', '{ticket_1["scheduled"]}'))
        """)
        return found.study_uid[0]

    def the_unverified(pacs, ticket_1):
        right = TheHand.solution(pacs, ticket_1)
        return _studies(pacs, f"s.study_uid <> '{right}' AND s.study_dt_local LIKE '{ticket_1['scheduled'][:10]}%' AND s.status = "
            f"'UNVERIFIED' "
                              f"AND s.patient_pk = (SELECT patient_pk FROM study WHERE study_uid = '{right}')")[0][0]

    def the_planned(pacs, ticket_1):
        return _order_of(pacs, ticket_1)[1]

    def another_hand(pacs, ticket_1):
        right = TheHand.solution(pacs, ticket_1)
        return _studies(pacs, f"r.body_part = 'HAND' AND s.study_uid <> '{right}' ORDER BY s.study_dt_local DESC, s.pk DESC LIMIT 1")[0][0]

    def before_on_that_device(pacs, ticket_1):
        return _studies(pacs, f"r.station_aet = '{ticket_1['station']}' AND s.study_dt_local < '{ticket_1['scheduled'][:10]}' "
                              "ORDER BY s.study_dt_local DESC, s.pk DESC LIMIT 1")[0][0]

    wrong_ways = {
        the_unverified: "That study came from the same device soon after, and is unverified, which looks guilty. But its body part is "
        "that of the "
        "patient under whom it is filed. Which other study of that folder shows what this patient never had ordered?",
        the_planned: "That is the UID that the RIS had planned for the order. No study in the archive has it: the scanner got another "
        "one, with "
        "another worklist entry.",
        another_hand: "That is a hand, but of another day or another exam that is in order: accession number, patient and description fit "
        "each other. Look for one in which they do not.",
        before_on_that_device: "That was made on the same device, but on an earlier day than the appointment.",
    }
    hints = [
        "The patient's ID and the accession number lead nowhere, so do not trust them. What can nobody have mistyped? The device, and "
        "the time.",
        "List all that the device sent on that day: `series.station_aet` and `study.study_dt_local`, with patient, `study.description` and "
        "`series.body_part`.",
        "In one of these studies the body part does not go with the description, and it began at about the time of the appointment.",
    ]


# --- 2

@lesson.input
def slices(hospital):
    """Three objects of the emergency CT, in an order that nobody remembers: a list of data sets."""
    import pydicom
    made = [pydicom.dcmread(io.BytesIO(data)) for data in artefacts.slices(hospital.seed, (21, 22, 23))]
    case = hospital.truth["case_17"]
    right = {"AccessionNumber": case["accession"], "PatientName": case["patient_name"], "PatientID": case["patient_id"]}
    order = Draws(hospital.seed, "cpas-17 slices").raw(3).argsort(kind="stable").tolist()
    _changed(made[order[0]], right, right, FRIDAY)
    _changed(made[order[1]], right, ["PatientID"], FRIDAY)
    return made


def _changed(ds, values, keywords, when):
    """Give an object these of the values, with an item in its trace."""
    from pydicom.dataset import Dataset

    before, trace = Dataset(), Dataset()
    for keyword in keywords:
        setattr(before, keyword, ds.get(keyword, ""))
        setattr(ds, keyword, values[keyword])
    trace.ModifiedAttributesSequence, trace.AttributeModificationDateTime = [before], when
    trace.ModifyingSystem, trace.SourceOfPreviousValues, trace.ReasonForTheAttributeModification = "HV_PACS", "CTER01", "CORRECT"
    ds.OriginalAttributesSequence = [*ds.get("OriginalAttributesSequence", []), trace]


@lesson.input
def now(hospital):
    """The time of the correction, as DICOM writes date and time (VR DT)."""
    return NOW


def traced(contents):
    """As ``objects.attributes``, with the items of each trace in the order of their time, which the standard does not ask for, and
    each spelling of the moment `NOW` as `NOW`."""
    return objects.attributes([_in_order(content) for content in contents])


def _moment(written):
    """The moment that a DT names (PS3.5 section 6.2), to the minute at least, or None; without an offset it is the house's own time."""
    found = re.fullmatch(r"(\d{12})(?:(\d\d)(?:\.(\d{1,6}))?)?([+-]\d{4})?", str(written).strip(" \0"))
    if not found:
        return None
    minute, second, fraction, offset = found.groups()
    try:
        return datetime.datetime.strptime(f"{minute}{second or '00'}.{fraction or 0}{offset or NOW[-5:]}", "%Y%m%d%H%M%S.%f%z")
    except ValueError:
        return None


def _in_order(content):
    """An object with its trace in that form; what is no object, or has no trace, as it is."""
    import pydicom

    try:
        ds = pydicom.dcmread(io.BytesIO(content)) if type(content) is bytes else content
        if not issubclass(type(ds), pydicom.Dataset) or not ds.get("OriginalAttributesSequence"):
            return content
        ds = copy.deepcopy(ds)
        for item in ds.OriginalAttributesSequence:
            if _moment(item.get("AttributeModificationDateTime", "")) == _moment(NOW):
                item.AttributeModificationDateTime = NOW
        ds.OriginalAttributesSequence = sorted(
            ds.OriginalAttributesSequence, key=lambda item: str(item.get("AttributeModificationDateTime", "")))
    except Exception:
        return content                              # ``objects.attributes`` says what is the matter with it
    return ds


IDENTITY = {"AccessionNumber": "Accession Number (0008,0050)", "PatientName": "Patient's Name (0010,0010)",
            "PatientID": "Patient ID (0010,0020)"}
TRACE = "Original Attributes Sequence (0400,0561)"


class Mended(File):
    """Corrected objects: first whose they are, then their traces; a wrong way is told by the whole first object that is not right."""

    def _first_wrong(self, answer, other):
        for name in other:
            for part in IDENTITY.values() if name in answer else ():
                if answer[name].get(part) != other[name].get(part):
                    return name, part, Difference(f"In {name}: {part} is not that of the person who was examined, or of her order.",
                                                  "value")
        found = super()._first_wrong(answer, other)
        if not found or not found[0]:
            return found
        name, part, difference = found
        if answer[name].get(TRACE) != other[name].get(TRACE):
            return name, TRACE, Difference(f"In {name}, {TRACE} has not as many items as there were mornings on which it was changed.",
                                           "items")
        if part.endswith("Attribute Modification DateTime (0400,0562)") and part in answer[name]:
            return name, part, Difference(f"In {name}, the time of a change, {part.rpartition(' > ')[2]}, is not that of this change: "
                                          "what was changed on Friday keeps Friday's, what you change has `now`.", "moment")
        return found

    def judge(self, exercise, given, editions):
        """As for every Kind; then the first wrong object is compared with that of each wrong way."""
        verdict = Kind.judge(self, exercise, given, editions)
        if verdict.correct or verdict.label == "unreadable" or verdict.label in {way.__name__ for way in exercise.wrong_ways}:
            return verdict
        answer, right = self.read(*given), self._computed(exercise, exercise.solution, editions)
        name, *_ = self._first_wrong(answer, right)
        for way, feedback in exercise.wrong_ways.items() if name else ():
            wrong = self._computed(exercise, way, editions)
            if name in wrong and self.difference({name: answer[name]}, {name: wrong[name]}) is None:
                return Verdict(Outcome.NOT_YET, feedback, way.__name__)
        return verdict


def _finished(slices):
    """The values of `IDENTITY` in the object that is finished."""
    finished = next(ds for ds in slices if ds.AccessionNumber)
    return {keyword: str(finished[keyword].value) for keyword in IDENTITY}


def _differing(ds, values):
    return [keyword for keyword in IDENTITY if ds[keyword].value != values[keyword]]


@lesson.exercise
class HalfCorrected:
    """Ticket 2. **Put all three objects right**, and give all three, as they shall go back: `mended`, a list of data sets or of files.

    The house's rule: patient ID and patient name are those of the person who was examined, the accession number is that of her order.
    No UID and no time is changed. What you change in an object this morning leaves **one** item in Original Attributes Sequence
    (0400,0561): in it the values that you replaced, and no others, the time (`now`), the modifying system `HV_PACS` and the reason
    `CORRECT`. Source of Previous Values (0400,0564) must be there; what stands in it is not checked. What is right already stays as
    it is. (In pydicom it goes as in the worked example before exercise 4 of cpas-07.)
    """

    answer = Mended("mended", reading=traced, free={
        f"{TRACE} item {number} > Source of Previous Values (0400,0564)": lambda value, ds: None for number in (1, 2)})
    points = 5
    praise = (
        "Two changes on two days are two items: the trace tells who changed what, and when, and nothing of it is lost (PS3.3 Table "
        "C.12-1)."
    )

    def solution(slices, now):
        from copy import deepcopy
        from pydicom.dataset import Dataset

        # Printed one by one: only the object that is finished has an accession number. Its values are right for all.
        finished = [ds for ds in slices if ds.AccessionNumber][0]
        corrected = []
        for ds in slices:
            new, before = deepcopy(ds), Dataset()
            for keyword in ("AccessionNumber", "PatientName", "PatientID"):
                if ds[keyword].value != finished[keyword].value:
                    setattr(before, keyword, ds[keyword].value)          # as before.PatientID = ds.PatientID
                    setattr(new, keyword, finished[keyword].value)
            if len(before) > 0:                                          # something was replaced: today's item
                trace = Dataset()
                trace.ModifiedAttributesSequence = [before]
                trace.AttributeModificationDateTime = now
                trace.ModifyingSystem = "HV_PACS"
                trace.SourceOfPreviousValues = "CTER01"
                trace.ReasonForTheAttributeModification = "CORRECT"
                if "OriginalAttributesSequence" not in new:
                    new.OriginalAttributesSequence = []
                new.OriginalAttributesSequence.append(trace)             # beside Friday's item, where there is one
            corrected.append(new)
        return corrected

    def untouched(slices, now):
        return copy.deepcopy(slices)

    def half_one_left(slices, now):
        mended = HalfCorrected.solution(slices, now)
        return [copy.deepcopy(ds) if ds.get("OriginalAttributesSequence") else new for ds, new in zip(slices, mended)]

    def fridays_trace_lost(slices, now):
        mended = HalfCorrected.solution(slices, now)
        for ds in mended:
            ds.OriginalAttributesSequence = [ds.OriginalAttributesSequence[-1]]
        return mended

    def into_fridays_item(slices, now):
        mended = HalfCorrected.solution(slices, now)
        for ds in mended:
            first, *later = ds.OriginalAttributesSequence
            for item in later:
                first.ModifiedAttributesSequence[0].update(item.ModifiedAttributesSequence[0])
            ds.OriginalAttributesSequence = [first]
        return mended

    def all_again(slices, now):
        mended = HalfCorrected.solution(slices, now)
        for ds, new in zip(slices, mended):
            if ds.AccessionNumber:
                _changed(new, _finished(slices), IDENTITY, now)
        return mended

    def one_recipe_for_all(slices, now):
        mended = copy.deepcopy(slices)
        for ds in mended:
            _changed(ds, _finished(slices), IDENTITY, now)
            ds.OriginalAttributesSequence = [ds.OriginalAttributesSequence[-1]]
        return mended

    def an_item_for_each(slices, now):
        mended = copy.deepcopy(slices)
        for ds in mended:
            for keyword in _differing(ds, _finished(slices)):
                _changed(ds, _finished(slices), [keyword], now)
        return mended

    def fridays_time(slices, now):
        mended = HalfCorrected.solution(slices, now)
        for ds in mended:
            for item in ds.OriginalAttributesSequence:
                item.AttributeModificationDateTime = FRIDAY
        return mended

    def the_emergency_record(slices, now, pacs):
        mended, accession = copy.deepcopy(slices), _finished(slices)["AccessionNumber"]
        patient_id, name = pacs.rows(f"SELECT p.pid, p.name FROM orders o JOIN patient p ON p.pk = o.patient_pk "
                                     f"WHERE o.accession = '{accession}'")[1][0]
        values = {"AccessionNumber": accession, "PatientName": name, "PatientID": patient_id}
        for ds in mended:
            _changed(ds, values, _differing(ds, values), now)
        return mended

    def without_todays_trace(slices, now):
        mended = HalfCorrected.solution(slices, now)
        for ds in mended:
            ds.OriginalAttributesSequence = [one for one in ds.OriginalAttributesSequence if one.AttributeModificationDateTime != now]
            if not ds.OriginalAttributesSequence:
                del ds.OriginalAttributesSequence
        return mended

    def trace_of_the_new(slices, now):
        mended = HalfCorrected.solution(slices, now)
        for ds in mended:
            for item in ds.OriginalAttributesSequence:
                if item.AttributeModificationDateTime == now:
                    for element in item.ModifiedAttributesSequence[0]:
                        element.value = ds[element.tag].value
        return mended

    def new_uids(slices, now):
        mended = HalfCorrected.solution(slices, now)
        for ds in mended:
            ds.SOPInstanceUID = ds.SOPInstanceUID + ".1"
        return mended

    wrong_ways = {
        untouched: "One object is as D. left it, and it is not the finished one: its name and accession number are those that were typed "
        "at the scanner.",
        half_one_left: "One object has its item of Friday and looks finished, but in it only the patient ID was replaced: name and "
        "accession "
        "number are still what was typed at the scanner.",
        fridays_trace_lost: "Friday's item is gone from the object in which you changed the rest: nobody can see any more what its "
        "patient ID was. "
        "The sequence takes further items; add yours beside the one that is there.",
        into_fridays_item: "You put today's previous values into Friday's item. It then says that all was replaced on Friday. What was "
        "changed "
        "at another time is an item of its own, with its own time.",
        all_again: "You corrected the finished object once more: its new item says that right values were replaced by the same ones. "
        "What is right "
        "stays as it is.",
        one_recipe_for_all: "The finished object needs nothing: its new item says that right values were replaced by the same ones. And "
        "where Friday left an item, it is gone, because your item was put in its place instead of beside it.",
        an_item_for_each: "In one object you left an item for each attribute. What is changed at one time is one item: all replaced values "
        "stand together in its Modified Attributes Sequence.",
        fridays_time: "An item of yours has Friday's time. Whoever asks later what was changed this morning would not find it.",
        the_emergency_record: "That is the emergency record, under which the order still stands in the archive. Registration has merged it "
        "into the patient's own record; the note on the keyboard names her.",
        without_todays_trace: "The values are right now, but what you replaced this morning is noted nowhere. Each change leaves an item.",
        trace_of_the_new: "Today's item holds the new values. It is there for the previous ones.",
        new_uids: "You gave the objects new SOP Instance UIDs. A correction of whose they are keeps them: reports and presentation states "
        "point at these objects.",
    }
    hints = [
        "Print patient ID, patient name, accession number and `ds.get(\"OriginalAttributesSequence\")` of each of the three.",
        "Which one is finished? It has an item in which three attributes were replaced; its values are the right ones for all.",
        "Of each other object: which of the three still differ? These go, with their old values, into an item of today. An item that is "
        "there "
        "already stays: `ds.OriginalAttributesSequence.append(trace)` puts yours behind it.",
    ]


# --- 3

PACS = Host("HV_PACS", "10.20.10.10", "255.255.255.0", "10.20.10.1", "imaging servers", "02:48:56:14:0a:0a", frozenset({11112}))
DNS = Host("DNS", workstation.DNS, "255.255.255.0", "10.20.50.1", "infrastructure", "02:48:56:14:32:05", frozenset({53}))
OLD_ROOM = ipaddress.ip_network("10.20.40.0/26")
OLD_ENTRY = "10.20.40.11", 104
LISTENS = 11112


def _annex(hospital):
    """(the annex's network, the station's address in it)."""
    draws = Draws(hospital.seed, "cpas-17 annex")
    prefix = draws.one(27, 28)
    size = 2 ** (32 - prefix)
    network = ipaddress.ip_network(f"10.20.{draws.one(44, 47)}.{size * draws.one(1, 256 // size - 2)}/{prefix}")
    return network, str(list(network.hosts())[9])


def _network(hospital, station):
    """The networks that the archive and the station are in, and the hosts in them."""
    annex, _ = _annex(hospital)
    first, last = list(annex.hosts())[0], list(annex.hosts())[10]
    segments = [Segment("imaging servers", "10.20.10.0/24", "10.20.10.1", "02:48:56:14:0a:01"),
                Segment("workstations", str(OLD_ROOM), "10.20.40.1", "02:48:56:14:28:01"),
                Segment("infrastructure", "10.20.50.0/24", "10.20.50.1", "02:48:56:14:32:01"),
                Segment("annex", str(annex), str(first), "02:48:56:14:2c:01")]
    neighbour = Host("WS_CONF1", str(last), str(annex.netmask), str(first), "annex", "02:48:56:14:2c:0b", frozenset({104}),
                     time_to_live=128)
    return Network(segments, [PACS, DNS, neighbour, station], ("10.20.0.1", None),
                   lambda source, target, port: port in ((53, 11112) if target in (PACS.ip, DNS.ip) else (104, 11112)))


def _station(ip, mask, gateway):
    return Host("WS_CH1", ip, mask, gateway, "annex", "02:48:56:14:28:0b", frozenset({LISTENS}), time_to_live=128)


@lesson.input
def ws_ch1(hospital):
    """WS_CH1 as it stands in the annex this morning, in the simulated network."""
    station = _station(_annex(hospital)[1], str(OLD_ROOM.netmask), "10.20.40.1")
    return workstation.Desk(_network(hospital, station), station)


ENTRIES = ("ip", "mask", "gateway", "entry_host", "entry_port")


def settings(value):
    """The settings in one form."""
    if type(value) is not dict:
        raise ValueError("they are a dictionary with the entries of the template")
    given = {str(name).strip().casefold().replace(" ", "_").replace("-", "_"): one for name, one in value.items()}
    if set(given) != set(ENTRIES):
        raise ValueError(f"the entries are {', '.join(ENTRIES)}")
    read = {}
    for name, one in given.items():
        try:
            read[name] = _port(one) if name == "entry_port" else workstation.mask(one) if name == "mask" else workstation.address(one)
        except ValueError as problem:
            raise ValueError(f"`{name}`: {problem}") from None
    return read


def _port(value):
    value = int(value) if type(value) is float and value.is_integer() else value
    if type(value) not in (int, str) or not re.fullmatch(r"\s*\d{1,5}\s*", str(value)) or not 1 <= int(value) <= 65535:
        raise ValueError("a port is a whole number from 1 to 65535")
    return int(value)


MEETS = {"connected": "the images arrive", "timed out": "the archive's connection to the station times out",
         "refused": "the archive's connection to the station is refused", "another machine": "the images go to another machine",
         "not tried": "not tried"}


def tried(given, hospital):
    """What comes of the settings: a dict of words."""
    annex, right = _annex(hospital)
    router = str(next(annex.hosts()))
    length = ipaddress.ip_network(f"0.0.0.0/{given['mask']}").prefixlen
    station = _station(given["ip"], given["mask"], given["gateway"])
    network = _network(hospital, station)
    said = network.connect(station, PACS.ip, 11112)
    out = {"ip": "right" if given["ip"] == right else given["ip"], "gateway": "right" if given["gateway"] == router else given["gateway"],
           "mask": "right" if length == annex.prefixlen else length, "echo": said, "entry": (given["entry_host"], given["entry_port"]),
           "images": "not tried",
           "entry_wrong": [name for name, right in (("entry_host", given["ip"]), ("entry_port", LISTENS)) if given[name] != right]}
    if said == "connected":
        out["images"] = network.connect(PACS, given["entry_host"], given["entry_port"])
        if out["images"] == "connected" and given["entry_host"] != given["ip"]:
            out["images"] = "another machine"
    return out


@lesson.input
def try_out(hospital):
    """A function that tries settings: what C-ECHO to the archive and C-MOVE to the station meet."""
    def run(repair):
        if repair is ... or type(repair) is dict and ... in repair.values():
            return Printed("Some settings are still open.")
        try:
            out = tried(settings(repair), hospital)
        except ValueError as problem:
            return Printed(f"not tried: {problem}")
        echo = "success" if out["echo"] == "connected" else out["echo"]
        return Printed(f"C-ECHO to HV_PACS: {echo}\nC-MOVE to WS_CH1: {MEETS[out['images']]}")
    return run


TEMPLATE = """repair = {
    # at the station
    "ip": ...,
    "mask": ...,
    "gateway": ...,
    # the archive's entry for WS_CH1
    "entry_host": ...,
    "entry_port": ...,
}"""


class Here(Config):
    """Settings that are right for one site and its plan, and are judged there alone."""

    def read(self, given):
        """As for all settings; a Series with the entries as its index is as good as a dictionary."""
        if is_library(given, "pandas", "Series"):
            given = given.to_dict()
        return super().read(given)

    def judge(self, exercise, given, editions):
        """As for all settings, on the learner's hospital."""
        return super().judge(exercise, given, Editions(editions.own))


@lesson.exercise
class TheAnnex:
    """Ticket 3. **How must WS_CH1 and the archive's entry for it be set**, so that the list fills and the images come?

    `try_out(repair)` sets all five for a moment and says what C-ECHO and C-MOVE meet. Addresses and mask stand in quotes, the port is
    a bare number.
    """

    answer = Here("repair", reading=settings, template=TEMPLATE)
    points = 4
    praise = "A station that moves takes two things with it that stay behind: its mask and gateway, and its entry at the archive."

    def solution(tickets):
        import ipaddress
        import re

        annex = ipaddress.ip_network(re.search(r"network (\d\S+),", tickets[3].text)[1])
        usable = [str(one) for one in annex.hosts()]
        return {
            "ip": usable[9],
            "mask": str(annex.netmask),
            "gateway": usable[0],
            "entry_host": usable[9],
            "entry_port": 11112,
        }

    def as_it_is(tickets):
        return {**TheAnnex.solution(tickets), "mask": str(OLD_ROOM.netmask), "gateway": "10.20.40.1", "entry_host": OLD_ENTRY[0],
                "entry_port": OLD_ENTRY[1]}

    def mask_of_the_old_room(tickets):
        return {**TheAnnex.solution(tickets), "mask": str(OLD_ROOM.netmask)}

    def mask_of_habit(tickets):
        return {**TheAnnex.solution(tickets), "mask": "255.255.255.0"}

    def gateway_of_the_old_room(tickets):
        return {**TheAnnex.solution(tickets), "gateway": "10.20.40.1"}

    def gateway_of_habit(tickets):
        right = TheAnnex.solution(tickets)
        return {**right, "gateway": right["gateway"].rpartition(".")[0] + ".1"}

    def gateway_is_the_network(tickets):
        right = TheAnnex.solution(tickets)
        return {**right, "gateway": str(ipaddress.ip_address(right["gateway"]) - 1)}

    def counted_from_the_network(tickets):
        right = TheAnnex.solution(tickets)
        early = str(ipaddress.ip_address(right["ip"]) - 1)
        return {**right, "ip": early, "entry_host": early}

    def entry_left_behind(tickets):
        return {**TheAnnex.solution(tickets), "entry_host": OLD_ENTRY[0], "entry_port": OLD_ENTRY[1]}

    def host_left_behind(tickets):
        return {**TheAnnex.solution(tickets), "entry_host": OLD_ENTRY[0]}

    def port_left_behind(tickets):
        return {**TheAnnex.solution(tickets), "entry_port": OLD_ENTRY[1]}

    def entry_of_the_archive(tickets):
        return {**TheAnnex.solution(tickets), "entry_host": PACS.ip}

    wrong_ways = {
        as_it_is: "That is how it stands, and the list stays empty: mask and gateway are those of the old room, and so is the archive's "
        "entry.",
        mask_of_the_old_room: "C-ECHO succeeds and images come, and still the mask is that of the old room, too wide for the annex: "
        "addresses "
        "of the neighbouring network look as if they were on the station's own wire.",
        mask_of_habit: "The mask is the one of habit. How many bits does the network group's line name behind the slash?",
        gateway_of_the_old_room: "The gateway is that of the old room. It does not lie in the annex, so the station can reach nobody "
        "outside.",
        gateway_of_habit: "Routers do not always end in .1: in the annex that address lies outside of the network. Which is the first "
        "usable one?",
        gateway_is_the_network: "That is the address of the network itself; no machine has it. The first *usable* address is the next.",
        counted_from_the_network: "You counted the network's own address as the first. It is not usable, so the tenth usable address is "
        "one further. "
        "(`ipconfig` shows it.)",
        entry_left_behind: "The list fills now. But images come to where the archive's table sends them, and that still names host and "
        "port of the old "
        "room.",
        host_left_behind: "The list fills now. But the archive's entry still names the host of the old room: its connection reaches "
        "nobody.",
        port_left_behind: "The list fills now. But the archive knocks at the port on which the old receiver listened, and is refused.",
        entry_of_the_archive: "The entry says where the archive finds *the station*. With its own address there it calls itself.",
    }
    hints = [
        "Two directions. The station asks for its list: own address, mask, gateway. The archive sends images: its own table says where to.",
        "`ipaddress.ip_network(\"...\")` knows it all: `list(net.hosts())` are the usable addresses in order, `net.netmask` is the mask.",
        "`pacs.sql(\"SELECT * FROM ae WHERE aet = 'WS_CH1'\")` shows the entry that moved with nobody. Which host and port does the "
        "station have now?",
    ]

    def trial(settings, hospital):
        return tried(settings, hospital)

    def faults(outcome):
        found = []
        if outcome["ip"] != "right":
            found.append("The station's address is not the one that the network group has given it.")
        if outcome["gateway"] != "right":
            found.append("At the address of `gateway` there is no router of the annex.")
        if outcome["mask"] != "right":
            found.append("The mask is not that of the annex's network.")
        if outcome["echo"] != "connected":
            found.append(f"C-ECHO from the station to the archive fails: {outcome['echo']}.")
        elif outcome["images"] != "connected":
            entry = {"entry_host": "`entry_host` is not the station's address", "entry_port": "at `entry_port` the station does not listen"}
            reasons = " and ".join(entry[name] for name in outcome["entry_wrong"])
            found.append(f"The list fills, but C-MOVE brings no images: {MEETS[outcome['images']]}{reasons and ', because '}{reasons}.")
        return found


# --- 4

WAITING = """
    SELECT COUNT(*) AS waiting,
           COUNT(CASE WHEN status = 'UNVERIFIED' OR exam_complete_utc IS NULL THEN 1 END) AS unseen
    FROM study
    WHERE deleted = 0 AND status <> 'READ'
      AND study_dt_local >= '2025-03-10' AND study_dt_local < '2025-04-07'
      AND pk IN (SELECT study_pk FROM series)
"""


class FourWeeks(relational.Planted):
    """A small archive's database with exams that wait on both sides of both ends of the four weeks."""

    seed, studies = "four_weeks_2", 77
    # When it began, offset and arrival: one pair of exams for the first, and twice as many for each further one, so that the number
    # of exams tells which of them a query has counted.
    EDGES = (("2025-03-09 23:40:10", "+0100", "2025-03-09 22:44:00"), ("2025-03-10 00:20:30", "+0100", "2025-03-09 23:25:00"),
             ("2025-03-10 23:30:00", "+0100", "2025-03-10 22:35:00"), ("2025-04-06 23:41:20", "+0200", "2025-04-06 21:46:00"),
             ("2025-04-07 00:10:05", "+0200", "2025-04-06 22:15:00"))

    def __init__(self):
        super().__init__()
        self._db.execute("PRAGMA query_only=OFF")
        pairs = [edge for place, edge in enumerate(self.EDGES) for _ in range(2 ** place)]
        for pk, (began, offset, arrived) in enumerate(pairs, 10_001):                # keys that the archive has not given out
            self._wait(pk, began, offset, arrived, status="VERIFIED", exam_complete_utc=arrived)
            self._wait(pk + 100, began, offset, arrived, status="UNVERIFIED")
        self._db.execute("PRAGMA query_only=ON")

    def _wait(self, pk, began, offset, arrived, **state):
        self._put("study", pk=pk, patient_pk=1, study_uid=f"2.999.1.{pk}", study_dt_local=began, tz_offset=offset, n_series=1,
                  n_instances=1, size_bytes=1, created_utc=arrived, deleted=0, **state)
        self._put("series", pk=pk, study_pk=pk, series_uid=f"2.999.2.{pk}", series_no=1, modality="CT", n_instances=1, size_bytes=1,
                  created_utc=arrived)


@cache
def four_weeks():
    """The one such database."""
    return FourWeeks()


class Reading(Query):
    """A Query that is tried as well on a hospital where some verified exam was never reported complete, which not every one has, and on
    the ends of the four weeks, where few hospitals have exams."""

    ends = ("a_day_too_early", "without_the_first_day", "without_the_last_day", "monday_too")

    def judge(self, exercise, given, editions):
        """As for every Query; then, whatever else may be wrong, the end of the four weeks that is not where it should be."""
        more = editions.and_also(hospital_of(101, "tiny")).and_also(four_weeks())
        verdict = super().judge(exercise, given, more)
        if verdict.correct or verdict.label in ("unreadable", "refused"):
            return verdict
        got = self._carried_out(self.read(*given), more.asked(four_weeks()))
        for way, feedback in exercise.wrong_ways.items():
            wrong = self._reference(exercise, way, four_weeks())
            if way.__name__ in self.ends and self.result.difference(*self._aligned(got, wrong)) is None:
                return Verdict(Outcome.NOT_YET, feedback, way.__name__)
        return verdict


@lesson.exercise
class WhatNobodySees:
    """Ticket 4. Write the **query**: one row with two columns,

    - `waiting`: the exams performed from Monday 10 March up to and including Sunday 6 April 2025 (`study_dt_local`) that nobody has
      read: a study, not deleted, with at least one series, whose status is not `READ`;
    - `unseen`: those of them that no reading list shows. A list shows a study when its status is `VERIFIED` **and** its exam was reported
      complete (`exam_complete_utc`).
    """

    answer = Reading("query", database="pacs", result=Table())
    points = 3
    praise = "The difference of your two numbers is what the list shows. For the others a patient waits, and whoever sent her, and no " \
        "reader knows of it."

    def solution():
        return """
            SELECT COUNT(*) AS waiting,
                   COUNT(CASE WHEN status = 'UNVERIFIED' OR exam_complete_utc IS NULL THEN 1 END) AS unseen
            FROM study
            WHERE deleted = 0 AND status <> 'READ'
              AND study_dt_local >= '2025-03-10' AND study_dt_local < '2025-04-07'
              AND pk IN (SELECT study_pk FROM series)
        """

    def only_verified():
        return WAITING.replace("status <> 'READ'", "status = 'VERIFIED'")

    def complete_only():
        return WAITING.replace("status = 'UNVERIFIED' OR ", "")

    def unverified_only():
        return WAITING.replace(" OR exam_complete_utc IS NULL", "")

    def both_reasons():
        return WAITING.replace(" OR exam_complete_utc", " AND exam_complete_utc")

    def empty_shells():
        return WAITING.replace("AND pk IN (SELECT study_pk FROM series)", "")

    def by_arrival():
        return WAITING.replace("study_dt_local", "created_utc")

    def without_the_last_day():
        return WAITING.replace(">= '2025-03-10' AND study_dt_local < '2025-04-07'", "BETWEEN '2025-03-10' AND '2025-04-06'")

    def a_day_too_early():
        return WAITING.replace("2025-03-10", "2025-03-09")

    def without_the_first_day():
        return WAITING.replace("2025-03-10", "2025-03-11")

    def monday_too():
        return WAITING.replace("2025-04-07", "2025-04-08")

    def with_deleted():
        return WAITING.replace("deleted = 0 AND ", "")

    def once_per_series():
        return WAITING.replace("FROM study\n", "FROM study JOIN series ON series.study_pk = study.pk\n").replace(
            "pk IN (SELECT study_pk FROM series)", "1").replace("AND 1", "")

    def all_weeks():
        return WAITING.replace("AND study_dt_local >= '2025-03-10' AND study_dt_local < '2025-04-07'", "")

    wrong_ways = {
        only_verified: "You looked at VERIFIED studies only. What is UNVERIFIED has not been read either, and is exactly what no list "
        "shows.",
        complete_only: "You counted only exams that were never reported complete. A study that is complete but unverified is on no list "
        "either: one of "
        "the two reasons is enough.",
        unverified_only: "In `unseen` you counted the UNVERIFIED ones only. A verified study whose exam was never reported complete is on "
        "no list either.",
        both_reasons: "In `unseen` you counted the studies that have both faults. The list asks for VERIFIED *and* complete; so it leaves "
        "out what lacks the one **or** the other.",
        empty_shells: "Among yours are studies without any series: shells, in which there is nothing to read.",
        by_arrival: "You went by the day of arrival. The question is about exams performed in those weeks, by the device's clock.",
        without_the_last_day: "`BETWEEN ... AND '2025-04-06'`, like `<= '2025-04-06'`, ends at midnight at the beginning of the Sunday: "
        "its exams are lost.",
        a_day_too_early: "Your period begins too early: exams of Sunday 9 March are among yours.",
        without_the_first_day: "Your period begins too late: exams of Monday 10 March are not among yours.",
        monday_too: "Your period ends too late, or not at all: what was examined on Monday 7 April, from midnight on, is among yours.",
        with_deleted: "Deleted studies are among yours. Nobody has to read them.",
        once_per_series: "The join gives one row for each series, so an exam with five series waits five times.",
        all_weeks: "Your count covers all weeks since the archive began. Four of them are asked.",
    }
    signs = {
        r"created_utc": by_arrival, r"between|<=\s*'2025-04-06'": without_the_last_day,
        r"\bjoin\b(?!.*distinct)": once_per_series,
    }
    hints = [
        "The table `study` has all that is needed: `status`, `exam_complete_utc`, `study_dt_local`, `deleted`.",
        "`COUNT(CASE WHEN ... THEN 1 END)` counts the rows that fulfil a condition, beside a `COUNT(*)` of all of them.",
        "Shown means VERIFIED and complete; so not shown means UNVERIFIED **or** never complete (`IS NULL`; `= NULL` is never true). And "
        "the last day ends *before* midnight on the next Monday.",
    ]


# --- 5

@lesson.input
def server(hospital):
    """A session at the copy of hv-app1, the server of archive and worklist."""
    return unix.lesson.input_of("server", hospital)


def job(value):
    """A job's number in five digits, from the number, its file's name or its path."""
    text = str(value).strip().strip("'\"").rpartition("/")[2].partition(".job")[0]
    text = text.removeprefix("job=").removeprefix("job ").strip()
    if not re.fullmatch(r"\d{1,5}", text):
        raise ValueError("a job is told by its number or by the path of its file")
    return f"{int(text):05d}"


class Jobs(Set):
    """Numbers of jobs; what a command printed is as good as a list of its lines."""

    takes = "a list of job numbers"

    def read(self, given):
        """As for a set; of the whole files that `cat` printed, the lines that name the job."""
        lines = given.lines if type(given) is unix.Output else given.splitlines() if type(given) is str and "\n" in given else None
        if lines is None:
            return super().read(given)
        if any(re.match(r"\.\.\. and [\d,]+ more lines", line) for line in lines):
            raise Unreadable("You copied what was shown, and that was not all. `sh(\"...\").lines` holds every line.")
        named = [line for line in lines if line.startswith("job=")]
        return super().read(named or [line for line in lines if line.strip()])


def _jobs(server, first, then):
    """The numbers of the jobs whose files hold both patterns."""
    found = server.sh(f"grep -rl '{first}' /var/spool/hvpacs/done | xargs grep -l '{then}'").lines
    return [path.rpartition("/")[2].removesuffix(".job") for path in found]


@lesson.exercise
class JobsToRepeat:
    """Ticket 5. **Which jobs must be started again?** Give their numbers, a list in any order."""

    answer = Jobs("jobs", reading=job)
    points = 2
    praise = "Two conditions on ten thousand files, in one line. Each of these numbers is a woman whose comparison images were not there."

    def solution(server):
        found = server.sh("grep -rl '^dest=WS_MG1$' /var/spool/hvpacs/done | xargs grep -l '^status=FAILED$'")
        return [path.split("/")[-1].removesuffix(".job") for path in found.lines]

    def all_failed(server):
        return _jobs(server, "^status=FAILED$", "^dest=")

    def all_to_the_clinic(server):
        return _jobs(server, "^dest=WS_MG1$", "^status=")

    def those_that_went_well(server):
        return _jobs(server, "^dest=WS_MG1$", "^status=OK$")

    def of_another_station(server):
        return _jobs(server, "^status=FAILED$", "^dest=WS_ED1$")

    wrong_ways = {
        all_failed: "Those are all jobs that failed, whoever was to get the images. The clinic asks for its own station.",
        all_to_the_clinic: "Those are all jobs for the clinic's station, most of which went well. Sent again, they would block the line "
        "for hours.",
        those_that_went_well: "Those went well. The other ones are asked.",
        of_another_station: "Those failed, but they were for another station. Which one does the clinic name?",
    }
    hints = [
        "Look at one: `sh(\"cat /var/spool/hvpacs/done/00/00000.job\")`. Which lines tell where a job went, and what became of it?",
        "`grep -rl 'text' folder` prints the names of the files that hold the text. Two texts are asked, in one file.",
        "`... | xargs grep -l 'second text'` looks only into the files that the first command named.",
    ]


# --- 6

@lesson.input
def fragment(hospital):
    """The attachment, as far as it came: bytes."""
    said = _fragment_of(hospital)
    draws = Draws(hospital.seed, "cpas-17 header")
    day, began = said["began"].replace("-", "").replace(":", "").split()

    def later(seconds):
        time = int(began[:2]) * 3600 + int(began[2:4]) * 60 + int(began[4:]) + seconds
        return f"{time // 3600:02d}{time // 60 % 60:02d}{time % 60:02d}"

    acquired = draws.one(45, 170)
    element = artefacts.element
    sop = f"{said['series_uid']}.{said['number']}"
    meta = b"".join((
        element(0x0002, 0x0001, "OB", b"\0\1"), element(0x0002, 0x0002, "UI", said["sop_class"]), element(0x0002, 0x0003, "UI", sop),
        element(0x0002, 0x0010, "UI", artefacts.EXPLICIT), element(0x0002, 0x0012, "UI", "2.999.9.41")))
    data = b"".join((
        element(0x0008, 0x0005, "CS", "ISO_IR 192"), element(0x0008, 0x0008, "CS", "ORIGINAL\\PRIMARY"),
        element(0x0008, 0x0016, "UI", said["sop_class"]), element(0x0008, 0x0018, "UI", sop),
        element(0x0008, 0x0020, "DA", day), element(0x0008, 0x0022, "DA", day), element(0x0008, 0x0023, "DA", day),
        element(0x0008, 0x0030, "TM", began), element(0x0008, 0x0032, "TM", later(acquired)),
        element(0x0008, 0x0033, "TM", later(acquired + draws.one(4, 19))),
        element(0x0008, 0x0050, "SH", said["accession"]), element(0x0008, 0x0060, "CS", said["modality"]),
        element(0x0008, 0x0070, "LO", "Heliodyne"), element(0x0008, 0x0090, "PN", ""), element(0x0008, 0x1010, "SH", said["station"]),
        element(0x0010, 0x0010, "PN", said["patient_name"].encode("utf-8")), element(0x0010, 0x0020, "LO", said["patient_id"]),
        element(0x0018, 0x0015, "CS", said["part"]), element(0x0018, 0x1000, "LO", str(draws.one(10000, 99999))),
        element(0x0020, 0x000D, "UI", said["study_uid"]), element(0x0020, 0x000E, "UI", said["series_uid"]),
        element(0x0020, 0x0011, "IS", str(said["series"])), element(0x0020, 0x0013, "IS", str(said["number"])),
        element(0x0028, 0x0002, "US", b"\1\0"), element(0x0028, 0x0004, "CS", "MONOCHROME2"), element(0x0028, 0x0010, "US", b"\0\2")))
    whole = bytes(128) + b"DICM" + element(0x0002, 0x0000, "UL", len(meta).to_bytes(4, "little")) + meta + data
    return whole[:-draws.one(3, 6)]                       # in the middle of an element


def elements(data):
    """{(group, element): text} of the elements of an Explicit VR Little Endian file, as far as they are whole."""
    found, at = {}, 132
    while at + 12 <= len(data):
        tag = int.from_bytes(data[at:at + 2], "little"), int.from_bytes(data[at + 2:at + 4], "little")
        long = data[at + 4:at + 6].decode("latin-1") in artefacts.LONG_VRS
        begin = at + (12 if long else 8)
        length = int.from_bytes(data[begin - (4 if long else 2):begin], "little")
        found[tag], at = data[begin:begin + length].decode("utf-8", "replace").strip(" \0"), begin + length
    return found


def time_of_day(value):
    """Hours, minutes and seconds as six digits, from 14:40:41, 144041, 144041.000, 14h40m41s or 14:40:41+0100."""
    text = re.sub(r"(?<=\d\d)[+-]\d\d:?\d\d$", "", str(value).strip().strip("'\""))
    text = re.sub(r"\.0*$", "", text)
    text = re.sub(r"^\D*20250\d{3}[ T]?|^2025-\d\d-\d\d[ T]", "", text)
    digits = re.sub(r"min|[:. hms]", "", text.casefold())
    if not re.fullmatch(r"([01]\d|2[0-3])[0-5]\d[0-5]\d", digits.zfill(6) if len(digits) == 5 else digits):
        raise ValueError("a time of day is written with seconds, such as \"09:05:30\"")
    return digits.zfill(6)


MISTYPED = "Nearly the same: compare it character by character. Is a letter O a digit 0, have two digits changed places?"


def _mistyped(given, right):
    """Whether an ID is the right one but for one character, two neighbours, or letters O for digits 0."""
    one, other = (text.casefold().replace("o", "0") for text in (given, right))
    return difflib.SequenceMatcher(None, one, other).ratio() > 0.85


def _of_the_header(name, given, right, value_of):
    """A sentence on a wrong entry of `header`."""
    if name == "patient_id":
        if re.fullmatch(r"\d+", given):
            return "The letters before the digits belong to the ID: give all that stands there."
        if re.fullmatch(r"[Aa]\d{10}", given):
            return "That has the form of an accession number, (0008,0050). The ID stands in (0010,0020)."
        if given.casefold() == value_of("ticket_1")["patient_id"].casefold():
            return "That is the ID of a patient whom another ticket names. Asked is what stands in this header, right or wrong."
        if _mistyped(given, right):
            return f"{MISTYPED} Give what stands there, even if it is a typing error."
    if name == "acquired":
        seconds = [int(time[:2]) * 3600 + int(time[2:4]) * 60 + int(time[4:]) for time in (given, right)]
        if (seconds[1] - seconds[0]) % 86400 in (3600, 7200):
            return "You turned the time into UTC. Asked is the time by the device's clock, as it stands there."
    return None


@lesson.exercise
class TheFragment:
    """Ticket 6. What do the bytes in `fragment` say? A dictionary with

    - `patient_id`: the patient ID that stands in the header;
    - `study_uid`: the Study Instance UID;
    - `acquired`: the time of day of the acquisition, by the device's clock, with seconds, such as `"09:05:30"`.
    """

    answer = Fields("header", {"patient_id": Text(""), "study_uid": Text("", reading=study),
                               "acquired": Text("", reading=time_of_day)}, remark=_of_the_header)
    points = 3
    praise = (
        "A header needs no viewer. But the ID in it may be another person's. So the practice is not told it, before it is known who is in "
        "the picture; and that somebody else's ID went out with a picture is for the privacy officer."
    )

    def solution(fragment):
        found, at = {}, 132                                              # behind the preamble and DICM
        while at + 12 <= len(fragment):
            group, element = int.from_bytes(fragment[at:at + 2], "little"), int.from_bytes(fragment[at + 2:at + 4], "little")
            long = fragment[at + 4:at + 6] in (b"OB", b"OW", b"SQ", b"UN", b"UT")
            begin = at + 12 if long else at + 8
            length = int.from_bytes(fragment[at + 8:begin] if long else fragment[at + 6:begin], "little")
            found[group, element] = fragment[begin:begin + length].decode("utf-8", "replace").strip(" \0")
            at = begin + length
        time = found[0x0008, 0x0032]
        return {
            "patient_id": found[0x0010, 0x0020],
            "study_uid": found[0x0020, 0x000D],
            "acquired": f"{time[:2]}:{time[2:4]}:{time[4:]}",
        }

    def name_for_id(fragment):
        return {**TheFragment.solution(fragment), "patient_id": elements(fragment)[0x0010, 0x0010]}

    def station_for_id(fragment):
        return {**TheFragment.solution(fragment), "patient_id": elements(fragment)[0x0018, 0x1000]}

    def letters_for_digits(fragment):
        right = TheFragment.solution(fragment)
        typed = right["patient_id"]
        return {**right, "patient_id": typed.replace("O", "0") if "O" in typed else typed[:-2] + "O" + typed[-1]}

    def series_for_study(fragment):
        return {**TheFragment.solution(fragment), "study_uid": elements(fragment)[0x0020, 0x000E]}

    def object_for_study(fragment):
        return {**TheFragment.solution(fragment), "study_uid": elements(fragment)[0x0008, 0x0018]}

    def class_for_study(fragment):
        return {**TheFragment.solution(fragment), "study_uid": elements(fragment)[0x0008, 0x0016]}

    def time_of_the_study(fragment):
        return {**TheFragment.solution(fragment), "acquired": elements(fragment)[0x0008, 0x0030]}

    def time_of_the_content(fragment):
        return {**TheFragment.solution(fragment), "acquired": elements(fragment)[0x0008, 0x0033]}

    wrong_ways = {
        name_for_id: "In `patient_id` you have the patient's name, (0010,0010). The ID is the next element, (0010,0020).",
        station_for_id: "In `patient_id` you have the serial number of the device. The patient's elements are in group 0010: its bytes "
        "are `10 00`.",
        letters_for_digits: "In `patient_id` a letter O and a digit 0 have changed places. In hex they differ: `4F` is the letter, `30` "
        "the digit. "
        "Give what stands there, even if it is a typing error.",
        series_for_study: "In `study_uid` you have the UID of the series, (0020,000E). That of the study is the element before it.",
        object_for_study: "In `study_uid` you have the UID of the object itself, the SOP Instance UID. That of the study stands in group "
        "0020.",
        class_for_study: "In `study_uid` you have the UID of the kind of object, the SOP Class UID. That of the study stands in group "
        "0020.",
        time_of_the_study: "In `acquired` you have the Study Time (0008,0030), when the exam began. The picture was taken later.",
        time_of_the_content: "In `acquired` you have the Content Time (0008,0033), when the image was put together. Acquisition Time is "
        "the element "
        "before it.",
    }
    hints = [
        "`hexdump(fragment)` shows the bytes. After 128 bytes and the letters DICM it goes element by element: tag, VR, length, value.",
        "Tags are little endian: (0010,0020) stands there as `10 00 20 00`, and the study's UID, (0020,000D), as `20 00 0D 00`.",
        "The acquisition's time is (0008,0032), `08 00 32 00`. Behind the tag come two letters, `TM`, then two bytes of length, then the "
        "value.",
    ]


# --- 7

@lesson.input
def router(hospital):
    """HV_ROUTER on the exams of the past month: `replay(rules)` says what would have come of rules."""
    return prefetching.lesson.input_of("router", hospital)


GROUPS = {5: "CT of the abdomen", 6: "head", 7: "breast"}          # the rules that alone fetch for a group
HIT, WASTE, LATE, BUSY = 75, 30, 2, 15


def _spoilt(hospital):
    """(number, rule) of the rule that somebody spoilt on Thursday: the first drawn for which its readers wait."""
    exams, right = prefetching.lesson.input_of("exams", hospital), prefetching.TheRuleFile.solution()
    spoilt = [(number, {**right[number - 1], **change}) for number in GROUPS for change in _spoils(right[number - 1])]
    first = Draws(hospital.seed, "cpas-17 rules").one(0, len(spoilt) - 1)
    in_turn = spoilt[first:] + spoilt[:first]
    return next((number, rule) for number, rule in in_turn if _hits(exams, _with(right, number, rule), number) < HIT)


def _spoils(rule):
    """What can go wrong in one entry of a rule: purged too early, written as no device writes it, of another modality."""
    return {"hours": 72}, {"body_part": rule["body_part"].removeprefix("(?i)").title()}, {"prior_modality": ["US"]}


def _with(rules, number, rule):
    """The rule file with another rule in that place."""
    return [rule if place == number else one for place, one in enumerate(rules, 1)]


def _hits(exams, rules, number):
    """Per cent of the priors opened by the readers whom the rule serves that had come."""
    return prefetch.replay(exams, prefetch.rules_of(rules))["groups"][GROUPS[number]]


@lesson.input
def rules(hospital):
    """The router's rule file as it is this morning: a list of dictionaries."""
    return _with(prefetching.TheRuleFile.solution(), *_spoilt(hospital))


@lesson.input
def wednesday(hospital):
    """What the router's rule file of Wednesday made of the same month: a report as `router.replay` gives it."""
    return router(hospital).replay(prefetching.TheRuleFile.solution())


CHANGE = """change = {
    "rule": ...,      # its place in `rules`, from 1
    "entry": ...,
    "value": ...,
}"""


def one_change(value):
    """{"rule": number, "entry": name, "value": value} of a change to the rule file."""
    if type(value) is not dict or {str(name).strip().casefold() for name in value} != {"rule", "entry", "value"}:
        raise ValueError("a change is a dictionary with the entries rule, entry and value")
    given = {str(name).strip().casefold(): one for name, one in value.items()}
    number, entry = given["rule"], str(given["entry"]).strip(" '\"").casefold().replace(" ", "_")
    number = re.fullmatch(r"(?:rule|no\.?|number|#)?\s*([1-7])(?:\.0)?", str(number).strip(" '\"").casefold())
    if not number:
        raise ValueError("the rules have the numbers 1 to 7")
    if entry not in prefetch.NEEDED + prefetch.OPTIONAL:
        raise ValueError(f"the entries of a rule are {', '.join(prefetch.NEEDED + prefetch.OPTIONAL)}")
    new = given["value"]
    if type(new) is str and re.fullmatch(r"\s*\[.*\]\s*", new) and entry in ("modality", "prior_modality"):
        with contextlib.suppress(ValueError, SyntaxError):           # a list, copied as Python prints it
            new = ast.literal_eval(new.strip())
    try:
        prefetch.rules_of([{**prefetching.TheRuleFile.solution()[0], entry: new}])
    except ValueError as problem:
        raise ValueError(str(problem).removeprefix("rule 1: ")) from None
    return {"rule": int(number[1]), "entry": entry, "value": new}


EVERY_MODALITY = ("CR", "DX", "CT", "MR", "MG", "US", "NM", "PT", "XA", "RF")


CALLED = {"CT": "CTs", "MR": "MRs", "MG": "mammograms"}


def _lacking(rule, before):
    """The kinds of prior, in words, that the rule looked for before and does not look for now, or ""."""
    return " and ".join(CALLED[modality] for modality in sorted(before["prior_modality"] - rule["prior_modality"]))


def _strange(exams, rule, before):
    """What the rule looks for, in words, and did not look for before, or ""."""
    more = rule["prior_modality"] - before["prior_modality"]
    if more:
        return f"priors of {', '.join(sorted(more))}"
    for prior in (prior for exam in exams for prior in exam.priors if not rule["prior_modality"].isdisjoint(prior.modalities)):
        then, once = (any(one["body_part"].search(text) for text in (prior.description, prior.body_part)) for one in (rule, before))
        if then and not once:
            return f"priors called {prior.description}"
    return ""


def _other_rule(rules, number):
    """The number of the next rule, from the first again after the last."""
    return number % len(rules) + 1


@lesson.exercise
class TheRule:
    """Ticket 7. `rules` is the router's rule file. **Which one entry of which rule must read how**, so that the callers get what they got
    on Wednesday, and nothing else changes?

    `router.replay(rules)` says what comes of a rule file on the past month, as often as you like; `wednesday` is what came of
    Wednesday's file, which nobody has kept. `copy.deepcopy(rules)` is a file to try changes on. Your entry need not read letter by
    letter as it did, but it must fetch no other kind of prior; and as agreed, of the priors that the callers open at least 75 % have
    come before, no other group gets fewer than now, waste is at most 30 %, late at most 2 %, busy at most 15 %, or what they were on
    Wednesday. The cache keeps a prior for 24 hours.
    """

    answer = Here("change", reading=one_change, template=CHANGE)
    points = 4
    praise = "One line, found by its consequences. A rule file belongs under version control: then Thursday would have taken a minute."

    def solution(rules):
        # Only in one group the replay has far fewer hits than on Wednesday. One of three things is wrong with the rule that fetches for
        # it, as one sees beside the other rules.
        for number, rule in enumerate(rules, 1):
            if rule["hours"] > 24:
                # Moved so early that the cache has purged the priors before the exam begins. The other rules have 12.
                found = {"rule": number, "entry": "hours", "value": 12}
            elif not rule["body_part"].startswith("(?i)"):
                # The devices write their body parts in capitals. Without (?i) the pattern does not find them.
                found = {"rule": number, "entry": "body_part", "value": "(?i)" + rule["body_part"]}
            elif rule["prior_modality"] == ["US"]:
                # These readers compare with exams like their own, not with ultrasound.
                found = {"rule": number, "entry": "prior_modality", "value": rule["modality"]}
        return found

    def as_it_stands(rules):
        right = TheRule.solution(rules)
        return {**right, "value": rules[right["rule"] - 1][right["entry"]]}

    def at_another_rule(rules):
        right = TheRule.solution(rules)
        return {**right, "rule": _other_rule(rules, right["rule"])}

    def counted_from_0(rules):
        right = TheRule.solution(rules)
        return {**right, "rule": right["rule"] - 1}

    def of_all_modalities(rules):
        return {"rule": TheRule.solution(rules)["rule"], "entry": "prior_modality", "value": list(EVERY_MODALITY)}

    def more_of_them(rules):
        return {"rule": TheRule.solution(rules)["rule"], "entry": "count", "value": 12}

    def however_old(rules):
        return {"rule": TheRule.solution(rules)["rule"], "entry": "years", "value": 10}

    def whole_studies(rules):
        return {"rule": TheRule.solution(rules)["rule"], "entry": "skip", "value": "^$"}

    wrong_ways = {
        as_it_stands: "Rule and entry are the right ones. But with this value the rule finds no more of their priors than with the "
        "one that stands there now.",
        at_another_rule: "The entry and its value are plausible, but this rule serves other readers. Whose group has the fewest hits, "
        "and which rule "
        "fetches for them?",
        counted_from_0: "Entry and value are the right ones, but this rule stands one place before the one that you mean: the first is "
        "rule 1.",
        of_all_modalities: "Now the rule fetches whatever modality the patient was ever on. Those who called do not compare with all of "
        "that. On Wednesday it fetched less.",
        more_of_them: "The rule is the right one. It does not fetch too few: what it fetches is the wrong thing, or is gone again. A "
        "higher "
        "number changes nothing.",
        however_old: "The rule is the right one. Its priors are not missed because they are old: the agreed five years stand there.",
        whole_studies: "The rule is the right one. But which series it takes is not what was changed: the readers miss whole priors.",
    }
    hints = [
        "`router.replay(rules)` prints the hits by group. Which group has hardly any?",
        "Find the rule whose `modality` and `exam` fetch for that group, and lay it beside the others: in which entry is it unlike them?",
        "Three things can go wrong in one entry: `hours` so long that the cache has purged the prior, a pattern that minds capitals "
        "because "
        "`(?i)` is missing, a modality that these priors do not have.",
    ]

    def trial(settings, hospital):
        exams, rules = prefetching.lesson.input_of("exams", hospital), lesson.input_of("rules", hospital)
        right = prefetching.TheRuleFile.solution()
        spoilt = next(number for number in GROUPS if rules[number - 1] != right[number - 1])
        changed = _with(rules, settings["rule"], {**rules[settings["rule"] - 1], settings["entry"]: settings["value"]})
        read = {name: prefetch.rules_of(file) for name, file in (("then", changed), ("now", rules), ("wednesday", right))}
        entry = next(name for name in right[spoilt - 1] if rules[spoilt - 1][name] != right[spoilt - 1][name])
        return {**{name: prefetch.replay(exams, file) for name, file in read.items()}, "group": GROUPS[spoilt],
                "changed": (settings["rule"], settings["entry"]), "spoilt": (spoilt, entry),
                "lacking": _lacking(read["then"][spoilt - 1], read["wednesday"][spoilt - 1]),
                "strange": _strange(exams, read["then"][spoilt - 1], read["wednesday"][spoilt - 1])}

    def faults(outcome):
        then, now, before, group = outcome["then"], outcome["now"], outcome["wednesday"], outcome["group"]
        found = []
        if outcome["changed"][0] != outcome["spoilt"][0]:
            found.append("That rule serves other readers. Whose group has fewer hits than on Wednesday, and which rule fetches for them? "
                         "The first is rule 1.")
        elif outcome["changed"] != outcome["spoilt"]:
            found.append("The rule is the right one. But this entry stands there as it did on Wednesday; another one was changed.")
        if outcome["lacking"]:
            found.append(f"With this value the rule does not look for {outcome['lacking']}, with which those who called compare.")
        if outcome["strange"] and then == before:
            found.append("The replay comes out as on Wednesday, since no prior of the past month shows the difference. But the line was "
                         f"not so: it would fetch as well, as soon as there are some, {outcome['strange']}.")
        elif outcome["strange"]:
            found.append(f"With this value the rule also fetches what it did not fetch on Wednesday: {outcome['strange']}.")
        if then["groups"][group] < HIT:
            found.append(f"Those who called still wait: only {then['groups'][group]:.1f} % of the priors that they opened had come.")
        if any(then["groups"][other] < now["groups"][other] for other in now["groups"] if other != group):
            found.append("Other readers get fewer of their priors than before your change.")
        limits = (("waste", WASTE, "nobody looked at {:.1f} % of what was moved"), ("late", LATE, "{:.1f} % of the hits came too late"),
                  ("busy", BUSY, "{:.1f} % of the bytes were moved in the working day"))
        found += [f"{name}: {text.format(then[name])}." for name, limit, text in limits if then[name] > max(limit, before[name])]
        return found


# --- 8

def _looked_up(hospital):
    """The facts of the incident: a colleague looks up an employee."""
    return next(one.facts for one in hospital.all_incidents if one.id == "B1-01-1")


@lesson.input
def accesses(hospital):
    """Who opened the study of ticket 8: a DataFrame, a row for each audit message, times in UTC."""
    import pandas
    study = _looked_up(hospital)["study_uid"]
    rows = []
    for event in hospital.audit.events:
        if event.event == "110103" and event.study_uid == study and event.user_id and not event.malformed:
            user = hospital.staff.user(event.user_id)
            rows.append((event.utc[:16], "DICOM Instances Accessed", event.user_id, user.role, user.unit, event.host, event.patient_id,
                         study))
    return pandas.DataFrame(rows, columns=["utc", "event", "user_id", "role", "unit", "host", "patient_id", "study_uid"])


def _openers(accesses, tickets, fits):
    """Account names of the rows that `fits` says yes to; it gets the row and whether the row's unit had to do with the patient."""
    sent_by = re.search(r"sent by (?:our )?(.*?), never", " ".join(tickets[8].text.split()))[1]
    return sorted({row.user_id for row in accesses.itertuples() if fits(row, row.unit in ("Radiology", "Imaging IT", sent_by))})


class Accounts(Set):
    """Names of accounts; rows of a table with a column `user_id` are as good."""

    takes = "a list of account names"

    def read(self, given):
        """As for a set."""
        if is_library(given, "pandas", "DataFrame") and "user_id" in given.columns:
            given = given["user_id"]
        return super().read(given)


class Reported(Choice):
    """An action and accounts; of the first account that does not belong there it is told what its business was."""

    def judge(self, exercise, given, editions):
        """As for every choice; where no wrong way speaks, the rows of the extract do."""
        verdict = super().judge(exercise, given, editions)
        accounts = None if verdict.label != "evidence" else self.read(*given)[1]
        if not accounts or isinstance(accounts, Unclear):
            return verdict
        accesses, tickets = (exercise.lesson.input_of(name, editions.own) for name in ("accesses", "tickets"))
        right = {account.casefold() for account in _openers(accesses, tickets, lambda row, concerned: not concerned)}
        known = {row.user_id.casefold(): row for row in accesses.itertuples()}
        for name in accounts:
            if name not in known:
                sentence = f"{short(accounts[name])} stands in no row of `accesses`."
            elif name not in right:
                sentence = BUSINESS.get(known[name].role, "{} works in the unit that sent her, and waited for the images.").format(
                    f"`{known[name].user_id}`")
            else:
                continue
            return Verdict(Outcome.NOT_YET, f"The action is right. But {sentence}", "business")
        return Verdict(Outcome.NOT_YET, "The action is right, and who is in your list had no business there. But somebody else had none "
                       "either.", "missing")


BUSINESS = {
    "technologist": "{} is a technologist of Radiology: who makes exams looks at the images.",
    "radiologist": "{} read the exam. To be on duty at night is no sign of curiosity.",
    "service": "{} is a machine's account: the router compared the archives' copies that night. Nobody looked.",
}


@lesson.exercise
class WhoLooked:
    """Ticket 8. **What do you do?** And which accounts opened the study although neither the exam, nor its report, nor the treatment was
    their business?

    `accesses` is the extract about her study, with times in UTC. HV_ROUTER's log notes for 2 April, from 01:20 UTC on, under the account
    `svc_router`: all studies of March opened once, and compared with their copies in the second archive.

    Give the letter as `action` and the account names (`user_id`) as `accounts`, a list.
    """

    answer = Reported(
        "action, accounts",
        options={
            "A": "Mail the head of physiotherapy the table, as asked: a head may know what the team does.",
            "B": "Ring up those who looked, and ask them for their reason before anything is made of it.",
            "C": "Lock their accounts at once, before more is looked up.",
            "D": "Save the extract unchanged, give it to the privacy officer as an incident, and tell the caller that the answer comes "
            "from there.",
            "E": "Nothing: whoever has an account was allowed to open the study, or it would not have opened.",
        },
        evidence=Accounts("accounts"),
    )
    points = 3
    praise = "The trail shows who opened what, never why. So the list goes to the one whose office it is to ask, whole and unaltered."

    def solution(accesses, tickets):
        sent_by = " ".join(tickets[8].text.split()).split("sent by ")[1].split(", never")[0].removeprefix("our ")
        concerned = ["Radiology", sent_by, "Imaging IT"]                # who made it, read it, sent for it; the router's own account
        strangers = accesses[~accesses.unit.isin(concerned)]
        return "D", sorted(set(strangers.user_id))

    def to_the_head(accesses, tickets):
        return "A", None

    def ask_them(accesses, tickets):
        return "B", None

    def lock_them(accesses, tickets):
        return "C", None

    def nothing_to_see(accesses, tickets):
        return "E", None

    def everybody(accesses, tickets):
        return "D", _openers(accesses, tickets, lambda row, concerned: row.role != "service")

    def all_rows(accesses, tickets):
        return "D", sorted(set(accesses.user_id))

    def the_ward_alone(accesses, tickets):
        return "D", _openers(accesses, tickets, lambda row, concerned: not concerned and row.role != "physiotherapist")

    def the_machine_too(accesses, tickets):
        return "D", _openers(accesses, tickets, lambda row, concerned: not concerned or row.role == "service")

    def the_own_team(accesses, tickets):
        return "D", _openers(accesses, tickets, lambda row, concerned: row.role == "physiotherapist")

    def at_night(accesses, tickets):
        return "D", _openers(accesses, tickets, lambda row, concerned: not concerned or row.role == "radiologist")

    wrong_ways = {
        to_the_head: "The caller leads the people who are in the list, and has no part in the patient's treatment. Who looked at whose "
        "images is itself "
        "confidential; it goes to the one office that may judge it.",
        ask_them: "Then they are warned, and you are the investigator, which is not your office. Evidence first, questions by those "
        "whose task it is.",
        lock_them: "One of them may be treating somebody at this moment, and a line in the trail is no proof of guilt. Whether an "
        "account is locked "
        "is decided by others, on your evidence.",
        nothing_to_see: "An account opens what its role might need. That it *could* be opened does not mean that there was a reason to.",
        all_rows: "The action is right. But that is everybody who stands in the extract: those who made the exam and read it too, and a "
        "machine.",
        everybody: "The action is right. But in your list are those who made the exam, read it or sent the patient: it was their work.",
        the_machine_too: "The action is right. One of your accounts belongs to a machine: the router compared the archives' copies "
        "that night. Nobody looked.",
        the_own_team: "The action is right. You have found the patient's own team. Somebody else had no business there either: she was "
        "never on a ward.",
        the_ward_alone: "The action is right. You have found who works on a ward, where she never was. But her own team never treated her "
        "either: to be a colleague is no reason to look.",
        at_night: "The action is right. A radiologist who reads at night is on duty; that is no sign of curiosity.",
    }
    hints = [
        "Two questions: who may judge this, and who had a reason? The caller is neither the patient nor the privacy officer.",
        "Go through `accesses` by `role` and `unit`: who makes exams, who reads them, who sent her? Ticket 8 says that, and that she was "
        "never an "
        "inpatient and never her own team's patient.",
        "What is left belongs to units that had nothing to do with her. An account with the role *service* is a machine.",
    ]


# --- the note

def ticket(value):
    """A ticket, from its number or "ticket 3"."""
    found = re.fullmatch(r"(?:tickets?|t|no\.?|number|#)?\s*([1-8])(?:\.0)?", str(value).strip(" '\"").casefold())
    if not found:
        raise ValueError("the tickets have the numbers 1 to 8")
    return f"ticket {found[1]}"


class Tickets(Set):
    """Numbers of tickets; "1 + 6" and "1 & 6" are two as well."""

    takes = "a list of ticket numbers"

    def read(self, given):
        """As for a set."""
        return super().read(re.sub(r"[+&/]", ",", given) if type(given) is str else given)


def _of_the_note(name, given, right, value_of):
    """A sentence on a wrong entry of `note`."""
    if name == "tickets":
        if "ticket 4" in given:
            return "Ticket 4 asks for two numbers. It names no study, though many are counted in them. Two others are about one study."
        if len(given) == 2 and set(given) & set(right):
            return "One of the two is right. Which other ticket has the same Study Instance UID as that one, digit by digit?"
    if name == "study_uid":
        pacs = value_of("pacs")
        if pacs.rows(f"SELECT pk FROM study WHERE study_uid = '{given}'")[1]:
            return "That is another study. Asked is the one whose UID both tickets lead to."
    if name == "accession":
        pacs, written = value_of("pacs"), given.upper().replace("'", "")
        if pacs.rows(f"SELECT pk FROM patient WHERE pid = '{written}'")[1]:
            return "That is a patient's ID. Asked is the number of the order."
        if pacs.rows(f"SELECT pk FROM orders WHERE placer_number = '{written}'")[1]:
            return "That is the placer number, by which the ward knows the order. Asked is the accession number."
        if pacs.rows(f"SELECT pk FROM orders WHERE accession = '{written}'")[1]:
            return "That is another order. Look in `orders` for the one of the person who was examined, on that day."
        if _mistyped(written, right):
            return MISTYPED
    return None


@lesson.exercise
class TheNote:
    """The note for the colleague who comes at four. **Two of the eight tickets are about one and the same study**, seen in two systems.
    (Ticket 4 counts studies, and is none of the two, whatever is among those that it counts.)

    - `tickets`: the numbers of the two;
    - `study_uid`: the Study Instance UID that ties them together;
    - `accession`: the accession number of the order for which those images were really made.
    """

    answer = Fields("note", {"tickets": Tickets("", reading=ticket), "study_uid": Text("", reading=study), "accession": Text("")},
                    remark=_of_the_note)
    points = 4
    praise = (
        "One incident, two callers, neither of whom knew of the other: one repair, by the rules of cpas-07, and two people to call back. "
        "Who has the patient before them is told at once; only what can wait is left for four o'clock. The practice hears no ID: the "
        "one in the fragment is another person's, or a typing error, and goes to the privacy officer with the note."
    )

    def solution(fragment, slices, pacs, ticket_1):
        at = fragment.index(b"\x20\x00\x0d\x00UI") + 8                    # the value of (0020,000D)
        found = fragment[at:at + int.from_bytes(fragment[at - 2:at], "little")].decode().strip("\0")
        number = 2 if found == slices[0].StudyInstanceUID else 1
        if number == 2:
            accession = max(str(ds.AccessionNumber) for ds in slices)          # the finished one has it
        else:
            accession = pacs.sql(f"""
                SELECT orders.accession FROM orders JOIN patient ON patient.pk = orders.patient_pk
                WHERE patient.pid = '{ticket_1["patient_id"]}' AND orders.scheduled_local = '{ticket_1["scheduled"]}'
            """).accession[0]
        return {"tickets": [number, 6], "study_uid": found, "accession": accession}

    def _others(fragment, slices, pacs, ticket_1):
        right = TheNote.solution(fragment, slices, pacs, ticket_1)
        return right, {1: 2, 2: 1}[right["tickets"][0]]

    def the_other_pair(fragment, slices, pacs, ticket_1):
        right, other = TheNote._others(fragment, slices, pacs, ticket_1)
        return {**right, "tickets": [other, 6]}

    def both_lost_studies(fragment, slices, pacs, ticket_1):
        return {**TheNote.solution(fragment, slices, pacs, ticket_1), "tickets": [1, 2]}

    def both_stations(fragment, slices, pacs, ticket_1):
        return {**TheNote.solution(fragment, slices, pacs, ticket_1), "tickets": [3, 5]}

    def list_and_study(fragment, slices, pacs, ticket_1):
        return {**TheNote.solution(fragment, slices, pacs, ticket_1), "tickets": [2, 4]}

    def both_slow(fragment, slices, pacs, ticket_1):
        return {**TheNote.solution(fragment, slices, pacs, ticket_1), "tickets": [5, 7]}

    def uid_of_the_series(fragment, slices, pacs, ticket_1):
        return {**TheNote.solution(fragment, slices, pacs, ticket_1), "study_uid": elements(fragment)[0x0020, 0x000E]}

    def the_planned_uid(fragment, slices, pacs, ticket_1):
        right = TheNote.solution(fragment, slices, pacs, ticket_1)
        planned = pacs.rows(f"SELECT study_uid FROM orders WHERE accession = '{right['accession']}'")[1][0][0]
        return {**right, "study_uid": planned}

    def order_of_the_other(fragment, slices, pacs, ticket_1):
        right, other = TheNote._others(fragment, slices, pacs, ticket_1)
        if other == 2:
            return {**right, "accession": max(str(ds.AccessionNumber) for ds in slices)}
        return {**right, "accession": _order_of(pacs, ticket_1)[0]}

    def order_of_the_folder(fragment, slices, pacs, ticket_1):
        right = TheNote.solution(fragment, slices, pacs, ticket_1)
        wrong = elements(fragment)[0x0008, 0x0050] or right["accession"][:-1] + str((int(right["accession"][-1]) + 1) % 10)
        return {**right, "accession": wrong}

    wrong_ways = {
        the_other_pair: "One of the two is right. But compare the Study Instance UIDs of the tickets digit by digit: these two do not "
        "have the same "
        "one.",
        both_lost_studies: "Both are about a study that is not where it should be, but they are two exams of two persons on two days. "
        "Which identifier "
        "do two tickets have in common?",
        both_stations: "Both are about a workstation that gets no images, but they are two stations; the jobs failed in March, and the "
        "other one moved on "
        "Saturday.",
        list_and_study: "The CT may well be among the studies that ticket 4 counts, but that ticket names none. Which other one has the "
        "CT's own UID in it?",
        both_slow: "Both are about images that do not come; but one is a matter of send jobs that failed in March, the other of a rule "
        "changed "
        "last Thursday.",
        uid_of_the_series: "In `study_uid` you have the UID of a series. Asked is that of the study, which both tickets have.",
        the_planned_uid: "In `study_uid` you have the UID that the RIS had planned for the order. The objects have another: that is part "
        "of the "
        "incident.",
        order_of_the_other: "In `accession` you have the order of another ticket. Whose exam is it that these two tell of?",
        order_of_the_folder: "In `accession` you have another order than that of the person who was examined. Look the person up in "
        "`orders`.",
    }
    hints = [
        "Write down for each ticket the identifiers that you found: patient IDs, accession numbers, UIDs. Two have one in common.",
        "One ticket brought a piece of an object, and an object names its study. Which other ticket was about that very study?",
        "Then the order: look up in `orders`, with the person who was really examined, what was ordered for that day. Somebody who came "
        "without a name may have it under another record still.",
    ]
