r"""From the HL7 order to the DICOM worklist: the exercises of lesson cpia-03."""

import calendar
import contextlib
import dataclasses
import datetime
import fnmatch
import random
import re
import sys
import types
from typing import NamedTuple

from coursekit.checking import Fields, Function, Kind, Lesson, Number, Server, Text
from coursekit.checking.kinds.base import Difference
from coursekit.checking.reading import Unclear, describe, is_a, is_library, plain
from coursekit.checking.verdict import Outcome, Verdict
from coursekit.hospital import catalogue, clock
from coursekit.hospital.feed import feed
from coursekit.standards import dicom, hl7
from coursekit.standards.order_mapping import Site, Station, order_to_items, single_steps
from coursekit.standards.sniffer import Sniffer
from coursekit.systems.mllp import send
from coursekit.systems.scu import NoAssociation, Scu, dataset
from coursekit.systems.worklist import ORDERS, Worklist

lesson = Lesson(
    "cpia-03",
    title="From the HL7 order to the DICOM worklist",
    version=1,
    minutes=90,
    objectives=[
        "map an order of HL7 v2.3.1 or v2.5.1 into worklist items, value by value",
        "run a modality worklist from your own mapping and matching, and let scanners query it",
        "say why a scanner's list is empty, and what changes, merges and performed steps do to it",
    ],
    covers=["map and configure HL7 messages into the DICOM worklist"],
    needs=["cpas-11"],
)

TODAY = "20250407"
# What PID-8 (HL7 table 0001) becomes at Harbour Vale: a code that is not here is left empty.
SEXES = {"F": "F", "M": "M", "O": "O", "A": "O"}
# The VRs in which * and ? are wildcards (PS3.4 C.2.2.2.4).
TEXTS = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT")
TOP = ("PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "RequestedProcedureID",
       "StudyInstanceUID", "RequestedProcedureDescription")
STEP = ("ScheduledProcedureStepID", "Modality", "ScheduledStationAETitle", "ScheduledProcedureStepDescription",
        "ScheduledProcedureStepStartDate", "ScheduledProcedureStepStartTime")
STATIONS = {procedure.code: procedure.devices[0][0] for procedure in catalogue.PROCEDURES}


def station_of(message):
    """The site's table for orders that name no station: which scanner the procedure of OBR-4 is planned for; an AE title.

    CT of emergency patients (PV1-2) is done in the emergency department.
    """
    code = message["OBR-4.1"]
    if code.startswith("CT"):
        return "CTER01" if message["PV1-2"] == "E" else "CT2"
    return STATIONS[code]


class _SiteClock(datetime.tzinfo):
    """The clock on the walls of Harbour Vale."""

    def utcoffset(self, at):
        return datetime.timedelta(seconds=int(clock.offset(clock.to_utc(calendar.timegm(at.timetuple())))))

    def dst(self, at):
        return None

    def fromutc(self, at):
        return at + datetime.timedelta(seconds=int(clock.offset(calendar.timegm(at.timetuple()))))


def site_mapping(message):
    """The mapping of the worklist that runs at Harbour Vale: the items of an order (a ``hl7.Message``), as ``order_to_items``."""
    stations = {step["OBR-4.1"]: Station(station_of(step)) for step in single_steps(message)}
    return order_to_items(message, Site(authority="HVGH", resource="OBR-4.1", stations=stations, zone=_SiteClock()))


# --- what is shown

class Shown:
    """Text that a notebook shows as it is."""

    def __init__(self, text):
        self._text = text

    def __repr__(self):
        return self._text


def show(dataset):
    """A Dataset, or a dictionary of attributes, as text: a line for each attribute, sequences indented."""
    return Shown("\n".join(_lines(dataset)))


def _lines(data):
    from pydicom.datadict import tag_for_keyword
    from pydicom.tag import Tag

    for keyword, value in data.items() if isinstance(data, dict) else [(element.keyword, element.value) for element in data]:
        tag = Tag(tag_for_keyword(keyword))
        name = f"({tag.group:04X},{tag.element:04X}) {keyword}"
        inner = [value] if isinstance(value, dict) else value
        if isinstance(inner, (list, tuple)) or type(inner).__name__ == "Sequence":
            yield name
            for one in inner:
                yield "    > item"
                yield from (f"      {line}" for line in _lines(one))
        else:
            yield f"{name:<55} {value}".rstrip()


def table(items):
    """Worklist items as a DataFrame: what a scanner's list shows of each, and the keys that it searches by."""
    import pandas as pd

    rows = []
    for item in items:
        step = item.ScheduledProcedureStepSequence[0]
        rows.append((str(item.PatientName), item.PatientID, item.AccessionNumber, step.ScheduledStationAETitle, step.Modality,
                     step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime,
                     step.get("ScheduledProcedureStepStatus", "")))
    return pd.DataFrame(rows, columns=["PatientName", "PatientID", "AccessionNumber", "AE title", "Modality", "date", "time", "status"])


def mapped(message):
    """A picture of an ORM^O01 of one step: which of its fields become which attributes of the item."""
    from coursekit.figures.mapping import wires

    attributes = [
        ("(0010,0020)", "Patient ID", "PID-3.1"), ("(0010,0021)", "Issuer of Patient ID", "PID-3.4.1"),
        ("(0010,0010)", "Patient's Name", "PID-5"),
        ("(0010,0030)", "Patient's Birth Date", "PID-7"), ("(0010,0040)", "Patient's Sex", "PID-8"),
        ("(0040,2017)", "Filler Order Number", "ORC-3"), ("(0008,0050)", "Accession Number", "OBR-18"),
        ("(0040,1001)", "Requested Procedure ID", "OBR-19"), ("(0032,1060)", "Requested Procedure Description", "OBR-44.2"),
        ("(0020,000D)", "Study Instance UID", "ZDS-1.1"),
        ("(0040,0002)", "> Scheduled Procedure Step Start Date", "ORC-7.4"),
        ("(0040,0003)", "> Scheduled Procedure Step Start Time", "ORC-7.4"), ("(0040,0008)", "> Scheduled Protocol Code", "OBR-4.4"),
        ("(0040,0007)", "> Scheduled Procedure Step Description", "OBR-4.5"), ("(0040,0009)", "> Scheduled Procedure Step ID", "OBR-20"),
        ("(0008,0060)", "> Modality", "OBR-24"), ("(0040,0001)", "> Scheduled Station AE Title", "site's table")]
    places = dict.fromkeys(place for _, _, place in attributes)                 # in the order of the item, so that no lines cross
    fields = [(place, station_of(message) if place == "site's table" else message[place]) for place in places]
    return wires(fields, attributes, f"From an {message['MSH-9']} of version {message['MSH-12']} to a worklist item")


def with_pending(journal):
    """The events of a worklist's journal for a picture, a list: each pending answer of a query has an event of its own."""
    events = []
    for event in journal:
        found = re.fullmatch(r"0000H after (\d+) answers?(?: of (FF01H))?", event.detail) if event.what == "C-FIND-RSP" else None
        events += [dataclasses.replace(event, detail=f"{found[2] or 'FF00H'} an item") for _ in range(int(found[1]))] if found else []
        events.append(dataclasses.replace(event, detail="0000H that was all") if found else event)
    return events


# --- orders that are made for this lesson; all people are invented

class Patient(NamedTuple):
    """What a PID says. `numbers` are (number, authority, type), the name is an XPN with escapes."""

    numbers: tuple
    name: str
    birth: str
    sex: str


class Order(NamedTuple):
    """An order. `number` makes all its identifiers; `steps` are (modality, protocol, its text) of each step, `start` is YYYYMMDDHHMMSS,
    or without the seconds."""

    number: int
    patient: Patient
    code: str
    description: str
    steps: tuple
    start: str
    station: str
    patient_class: str = "O"

    @property
    def accession(self):
        """The accession number."""
        return f"A250407{self.number:04}"

    @property
    def study(self):
        """The Study Instance UID."""
        return f"2.999.200.7.250407{self.number:04}"

    def step_id(self, place):
        """The Scheduled Procedure Step ID of the step at a place, from 0."""
        return f"SPS{430000 + self.number}" + ("" if place == 0 else chr(65 + place))


# HVGH2 numbered the patients of the day surgery until 2019; ECC-HVGH are the clinic's numbers for those that we sent there.
OIDS = {"HVGH": "2.999.1.1", "ECC": "2.999.1.2", "HVGH2": "2.999.1.3", "ECC-HVGH": "2.999.1.4", "NMH": "2.999.1.9"}
DOCTOR = "1042^BAPTISTE^REMY^^^DR"
ENTERED = "20250405171500"                      # when the orders were placed
WANTED = "20250406080000"                       # OBR-7 of some senders: when it would have been convenient


def _order(number, patient, code, start, patient_class="O", text="{} routine", station=""):
    """An Order of a procedure of the catalogue."""
    found = catalogue.PROCEDURES[catalogue.PLACE[code]]
    steps = ((found.modality, f"{code}-1", text.format(found.description)),)
    if code == "PETCT":
        steps = (("PT", "PETCT-1", "PET whole body"), ("CT", "PETCT-2", "CT for attenuation & fusion"))
    made = Order(number, patient, code, found.description, steps, start, station, patient_class)
    return made if station else made._replace(station="CTER01" if code.startswith("CT") and patient_class == "E" else
                                              "CT2" if code.startswith("CT") else STATIONS[code])


def _segment(name, **places):
    """A segment of the values at places such as `f18`."""
    fields = {int(place[1:]): value for place, value in places.items()}
    return "|".join([name, *(fields.get(number, "") for number in range(1, max(fields) + 1))])


def _head(event, control_id, version):
    structure = {"OMI^O23": "^OMI_O23", "ADT^A40": "^ADT_A39", "ADT^A08": "^ADT_A01"}.get(event, "") if version == "2.5.1" else ""
    sender = "ECC_RIS|ECC" if event == "OMI^O23" else "HIS|HVGH" if event.startswith("ADT") else "RIS|HVGH"
    return f"MSH|^~\\&|{sender}|HV_MWL|HVGH|{ENTERED}||{event}{structure}|{control_id}|P|{version}||||||UNICODE UTF-8"


def _pid(patient):
    numbers = "~".join(f"{number}^^^{owner}&{OIDS[owner]}&ISO^{kind}" for number, owner, kind in patient.numbers)
    return _segment("PID", f1="1", f3=numbers, f5=patient.name, f7=patient.birth, f8=patient.sex)


def _ends(text):
    return "\r".join(text) + "\r"


def orm(*orders, control="NW", status="SC", zone="+0200", timing="both"):
    """An ORM^O01 of version 2.3.1 with ZDS, as text. `timing`: which of ORC-7 and OBR-27 say when, "both", "ORC"
    or "OBR"."""
    first = orders[0]
    lines = [_head("ORM^O01", f"R{first.number}{control}{status}", "2.3.1"), _pid(first.patient),
             _segment("PV1", f1="1", f2=first.patient_class, f8=DOCTOR)]
    for order in orders:
        placer, filler = f"P{430000 + order.number}^HIS", f"F{430000 + order.number}^RIS"
        when = f"1^once^^{order.start}{zone}^^R"
        code = f"{order.code}^{hl7.escape(order.description)}^99HV"
        for place, (modality, protocol, meaning) in enumerate(order.steps):
            lines += [_segment("ORC", f1=control, f2=placer, f3=filler, f5=status, f7="" if timing == "OBR" else when, f9=ENTERED + zone,
                               f12=DOCTOR),
                      _segment("OBR", f1=str(place + 1), f2=placer, f3=filler, f4=f"{code}^{protocol}^{hl7.escape(meaning)}^99HV",
                               f7=WANTED, f16=DOCTOR, f18=order.accession, f19=f"RP{430000 + order.number}", f20=order.step_id(place),
                               f24=modality, f27="" if timing == "ORC" else when, f44=code)]
    return _ends([*lines, f"ZDS|{first.study}^HVGH^Application^DICOM"])


def omi(*orders, control="NW", status="SC", zone="", field_18="", section=""):
    """An OMI^O23 of version 2.5.1 with IPC, as text. What stands in OBR-18 and OBR-24 is the sender's own affair there."""
    first = orders[0]
    lines = [_head("OMI^O23", f"E{first.number}{control}{status}", "2.5.1"), _pid(first.patient),
             _segment("PV1", f1="1", f2=first.patient_class, f8=DOCTOR)]
    for order in orders:
        placer, filler = f"P{430000 + order.number}^ECC_RIS", f"F{430000 + order.number}^ECC_RIS"
        code = f"{order.code}^{hl7.escape(order.description)}^99HV"
        lines += [_segment("ORC", f1=control, f2=placer, f3=filler, f5=status, f9=ENTERED, f12=DOCTOR),
                  _segment("TQ1", f1="1", f7=order.start + zone, f9="R"),
                  _segment("OBR", f1="1", f2=placer, f3=filler, f4=code, f7=WANTED, f16=DOCTOR, f18=field_18, f24=section, f44=code)]
        lines += [_segment("IPC", f1=f"{order.accession}^HVGH^{OIDS['HVGH']}^ISO", f2=f"RP{430000 + order.number}", f3=order.study,
                           f4=order.step_id(place), f5=modality, f6=f"{protocol}^{hl7.escape(meaning)}^99HV", f7="STATION",
                           f8="Imaging", f9=order.station)
                  for place, (modality, protocol, meaning) in enumerate(order.steps)]
    return _ends(lines)


def adt(event, patient, control_id, retired=""):
    """An ADT^A08, or an ADT^A40 that merges the number `retired` of HVGH into the patient, as text."""
    lines = [_head(event, control_id, "2.5.1"), f"EVN||{ENTERED}", _pid(patient)]
    if retired:
        lines.append(f"MRG|{retired}^^^HVGH&{OIDS['HVGH']}&ISO^MR")
    return _ends([*lines, "PV1|1|O"] if not retired else lines)


FAMILIES = ("VAN DALEN", "VAN HOEK", "ODUYA", "HALVORSEN", "KESSLER", "MAREK", "TJONG", "BIANCHI", "DUBOIS", "VANTONGEREN", "PETROV",
            "SØRBY")
GIVEN = ("GREET", "SAMUEL", "INGRID", "OMAR", "LUCIE", "PIET", "MEI", "CARLA", "JULES", "ANNELIES", "IVAN", "SIGNE")


def _people(draw, count):
    """Plain patients, a list, each with a number of its own."""
    names = draw.sample([(family, given) for family in FAMILIES for given in GIVEN], count)
    first = draw.randrange(300000, 800000)
    return [Patient(((f"HV{first + 7 * place}", "HVGH", "MR"),), f"{family}^{given}",
                    f"{draw.randrange(1935, 2008)}{draw.randrange(1, 13):02}{draw.randrange(1, 29):02}", draw.choice("FM"))
            for place, (family, given) in enumerate(names)]


def _at(day, draw):
    """A start on that day of April 2025, between 8 and 17 hours."""
    return f"202504{day:02}{draw.randrange(8, 17):02}{draw.choice(('00', '10', '20', '30', '45'))}00"


# --- inputs

BROKEN = {"accession too long", "cut off", "local code", "charset wrong"}


@lesson.input
def new_orders(hospital):
    """New orders as the engine received them in the past days: Messages of the feed."""
    messages = feed(hospital, "2025-04-04 00:00:00" if hospital.studies > 20_000 else None)
    return [one for one in messages
            if one.receiver == "HV_ENGINE" and one.event in ("ORM^O01", "OMI^O23") and one.control_id.endswith("NW")]


@lesson.input
def real_orders(hospital):
    """Those of one step each, with their dirt, but for those that are refused anyway: a list of ``hl7.Message``."""
    sound = [hl7.parse(one.bytes) for one in lesson.input_of("new_orders", hospital) if not BROKEN & set(one.quirks)]
    return [one for one in sound if len(single_steps(one)) == 1]


@lesson.input
def days_orders(hospital):
    """The last of the new orders, whole, as they came over the wire: a list of bytes."""
    return [one.bytes for one in lesson.input_of("new_orders", hospital)][-100:]


@lesson.input
def order(hospital):
    """An order of our RIS: ORM^O01 of version 2.3.1."""
    found = [one for one in lesson.input_of("real_orders", hospital) if one["MSH-3"] == "RIS"]
    return next((one for one in reversed(found) if one["OBR-24"] == "CT"), found[-1]).copy()


@lesson.input
def clinic_order(hospital):
    """An order of the clinic's RIS: OMI^O23 of version 2.5.1."""
    return next(one for one in reversed(lesson.input_of("real_orders", hospital)) if one["MSH-3"] == "ECC_RIS").copy()


@lesson.input
def pet_order(hospital):
    """An order of our RIS for a PET/CT."""
    draw = random.Random(f"pet {hospital.seed}")
    patient, = _people(draw, 1)
    return hl7.parse(orm(_order(draw.randrange(100, 900), patient, "PETCT", _at(8, draw))))


@lesson.input
def two_orders(hospital):
    """A message of the clinic's with two orders for one patient."""
    draw = random.Random(f"two {hospital.seed}")
    patient, = _people(draw, 1)
    number = draw.randrange(100, 800)
    return hl7.parse(omi(_order(number, patient, "MRBR", _at(9, draw)), _order(number + 1, patient, "XKNEE", _at(9, draw))))


SCANNERS = {"CTER01": "CT", "CT2": "CT", "MR1": "MR", "US_OB1": "US", "DX_CH1": "DX"}
CODES = {"CTER01": ("CTHD", "CTPA"), "CT2": ("CTCH", "CTAP"), "MR1": ("MRBR", "MRKN"), "US_OB1": ("USABD",), "DX_CH1": ("XCHPA", "XKNEE")}
OLD_CODES = {"CT": "CTA", "MR": "MRI", "US": "USG", "DX": "XR"}             # what people write; none is a defined term of (0008,0060)


def _list_of(draw, idle=None):
    """Orders for the scanners, three or four each, today and on the next days; the scanner `idle` has none today."""
    people, made, number = _people(draw, 20), [], draw.randrange(100, 800)
    for station, modality in SCANNERS.items():
        days = (8, 9, 10) if station == idle else (7, 7, 8, 9)
        for day in days:
            number += draw.randrange(1, 9)
            made.append(_order(number, people.pop(), draw.choice(CODES[station]), _at(day, draw), "E" if station == "CTER01" else "O",
                               station=station))
    return made


@lesson.input
def idle_scanner(hospital):
    """The scanner for which nothing is planned today."""
    return random.Random(f"idle {hospital.seed}").choice(list(SCANNERS))


@lesson.input
def list_orders(hospital):
    """The orders behind the list of this morning: a list of Order."""
    return _list_of(random.Random(f"list {hospital.seed}"), idle_scanner(hospital))


@lesson.input
def todays_orders(hospital):
    """The same as messages of our RIS, bytes."""
    return [orm(one).encode() for one in list_orders(hospital)]


@lesson.input
def asked(hospital):
    """What five scanners asked this morning, each with an empty list: {scanner: query}."""
    draw, idle = random.Random(f"asked {hospital.seed}"), idle_scanner(hospital)
    others = [station for station in SCANNERS if station != idle]
    faults = ["title", "date", "code", "name"]
    draw.shuffle(faults)
    queries = {}
    for station, modality in SCANNERS.items():
        step = {"ScheduledStationAETitle": station, "Modality": modality, "ScheduledProcedureStepStartDate": TODAY,
                "ScheduledProcedureStepStartTime": "", "ScheduledProcedureStepID": "", "ScheduledProcedureStepDescription": ""}
        name = ""
        fault = "" if station == idle else faults[others.index(station)]
        if fault == "title":
            step["ScheduledStationAETitle"] = {"CTER01": "CT_ER"}.get(station, f"HV_{station}")
        elif fault == "date":
            step["ScheduledProcedureStepStartDate"] = "20250406"
        elif fault == "code":
            step["Modality"] = OLD_CODES[modality]
        elif fault == "name":                   # left over from a search: the family name, without ^ and *
            mine = [one for one in list_orders(hospital) if one.station == station and one.start.startswith(TODAY)]
            name = mine[0].patient.name.split("^")[0]
        queries[station] = {"PatientName": name, "PatientID": "", "AccessionNumber": "", "StudyInstanceUID": "",
                            "RequestedProcedureID": "", "ScheduledProcedureStepSequence": step}
    return queries


# --- the life of an order

class Event(NamedTuple):
    """Something that reaches the worklist: an HL7 message, or what a scanner reports of a performed procedure step."""

    words: str
    messages: tuple = ()
    uid: str = ""
    keys: dict = None

    def __repr__(self):
        return self.words


def play(worklist, event):
    """Let an event reach a worklist that runs: the acknowledgement's MSA-1, or the status of the N-CREATE or N-SET in hexadecimal."""
    if event.messages:
        return [worklist.take(message)["MSA-1"] for message in event.messages][-1]
    scanner = Scu("CTER01", worklist.title, worklist.port)
    report = scanner.begin_step if event.keys["PerformedProcedureStepStatus"] == "IN PROGRESS" else scanner.change_step
    return f"{report(event.uid, event.keys):04X}H"


def begun(order, uid):
    """N-CREATE: a step of the order has begun."""
    return Event("MPPS N-CREATE: IN PROGRESS", uid=uid, keys={
        "PerformedProcedureStepStatus": "IN PROGRESS", "Modality": order.steps[0][0],
        "ScheduledStepAttributesSequence": {"StudyInstanceUID": order.study, "ScheduledProcedureStepID": order.step_id(0)}})


def ended(uid, status, code="", meaning=""):
    """N-SET: a step has ended; a code of CID 9300 says why it was discontinued."""
    keys = {"PerformedProcedureStepStatus": status}
    if code:
        keys["PerformedProcedureStepDiscontinuationReasonCodeSequence"] = {
            "CodeValue": code, "CodingSchemeDesignator": "DCM", "CodeMeaning": meaning}
    return Event(f"MPPS N-SET: {status}" + (f", reason ({code}, DCM, {meaning})" if code else ""), uid=uid, keys=keys)


PLOTS = ("change", "cancelled", "retired", "survivor", "begun", "wrong entry", "after the end", "update")


@lesson.input
def plots(hospital):
    """What happens to each of the orders: {name: one of PLOTS}."""
    shuffled = list(PLOTS)
    random.Random(f"plots {hospital.seed}").shuffle(shuffled)
    return {f"order {number}": plot for number, plot in enumerate(shuffled, 1)}


@lesson.input
def morning(hospital):
    """What reached the worklist about each of eight orders, in order: {name: list of Event}."""
    draw, found = random.Random(f"morning {hospital.seed}"), {}
    people = _people(draw, len(PLOTS))
    for place, (name, plot) in enumerate(plots(hospital).items()):
        patient, number = people[place], 100 + 20 * place + draw.randrange(15)
        own = patient.numbers[0][0]
        order = _order(number, patient, draw.choice(("CTHD", "CTCH", "CTAP")), _at(7, draw))
        uid = f"2.999.110.42.{number}"
        mistaken = ended(uid, "DISCONTINUED", "110514", "Incorrect worklist entry selected")
        other = Patient(((f"HV{draw.randrange(810000, 999999)}", "HVGH", "MR"),), patient.name, patient.birth, patient.sex)
        later = order._replace(start=_at(9, draw))
        stop = draw.choice(("CA", "DC"))
        married = patient._replace(name="ROSSI-" + patient.name)
        events = {
            "change": [Event(f"ORC-1 XO: start {later.start[:8]} {later.start[8:12]}", (orm(later, control="XO"),))],
            "cancelled": [Event(f"ORC-1 {stop}", (orm(order, control=stop, status=stop),))],
            "retired": [Event(f"ADT^A40: PID-3 {other.numbers[0][0]}, MRG-1 {own}", (adt("ADT^A40", other, f"H{number}A40", own),))],
            "survivor": [Event(f"ADT^A40: PID-3 {own}, MRG-1 {other.numbers[0][0]}",
                               (adt("ADT^A40", patient, f"H{number}A40", other.numbers[0][0]),))],
            "begun": [begun(order, uid)],
            "wrong entry": [begun(order, uid), mistaken],
            "after the end": [begun(order, uid), ended(uid, "COMPLETED"), mistaken],
            "update": [Event(f"ADT^A08: PID-3 {own}, PID-5 {married.name}", (adt("ADT^A08", married, f"H{number}A08"),))],
        }[plot]
        if plot == "survivor":                  # so that the worklist knows the other number
            theirs = _order(number + 500, other, "CTHD", order.start)
            events.insert(0, Event(f"another order, for {other.numbers[0][0]}: NW, and then CA",
                                   (orm(theirs), orm(theirs, control="CA", status="CA"))))
        found[name] = [Event(f"ORC-1 NW: {order.accession}, patient {own} {patient.name}, start {order.start[:8]} {order.start[8:12]}",
                             (orm(order),)), *events]
    return found


FATES = {
    "a": "it is not on the list",
    "b": "it is on the list once, SCHEDULED, just as it was ordered",
    "c": "it is on the list once, STARTED",
    "d": "it is on the list once, with another start, and in the same study",
    "e": "it is on the list once, under another Patient ID",
    "f": "it is on the list twice",
    "g": "it is on the list once, under a new Study Instance UID",
    "h": "it is on the list once, with the patient's name changed",
}


def fates(morning):
    """What became of each order in a real worklist: {name: letter of FATES}."""
    with Worklist("HV_MWL", mapping=site_mapping) as worklist:
        before = {}
        for name, events in morning.items():
            play(worklist, events[0])
            before[name] = next(item for item in worklist.items() if item.AccessionNumber in events[0].words)
        for events in morning.values():
            for event in events[1:]:
                play(worklist, event)
        after = worklist.items()
    return {name: _fate(item, [one for one in after if one.AccessionNumber == item.AccessionNumber]) for name, item in before.items()}


def _fate(before, after):
    if len(after) != 1:
        return "a" if not after else "f"
    now, step, was = after[0], after[0].ScheduledProcedureStepSequence[0], before.ScheduledProcedureStepSequence[0]
    if step.ScheduledProcedureStepStatus == "STARTED":
        return "c"
    for letter, one, other in (("g", now.StudyInstanceUID, before.StudyInstanceUID), ("e", now.PatientID, before.PatientID),
                               ("h", now.PatientName, before.PatientName),
                               ("d", step.ScheduledProcedureStepStartDate, was.ScheduledProcedureStepStartDate)):
        if one != other:
            return letter
    return "b"


# --- Case 17

def _case(hospital):
    return next(incident.facts for incident in hospital.incidents if incident.id == "C17")


@lesson.input
def night(hospital):
    """The messages of the night that speak of the patient or the order of Case 17, and their acknowledgements: a DataFrame."""
    import pandas as pd

    case, found = _case(hospital), []
    messages = [one for one in feed(hospital, "2025-03-30 00:00:00", "2025-03-30 08:00:00")]
    about = {one.control_id for one in messages if one.event != "ACK" and (
        case["accession"] in one.text or re.search(rf"\b{case['temporary_id']}\b", one.text))}
    for one in messages:
        answered = hl7.parse(one.bytes)["MSA-2"] if one.event == "ACK" else ""
        if one.control_id in about or answered in about:
            code = hl7.parse(one.bytes)["MSA-1"]
            found.append((one.at_utc, one.sender, one.receiver, one.event, one.control_id, f"{code} {answered}".strip()))
    return pd.DataFrame(found, columns=["UTC", "from", "to", "message", "MSH-10", "acknowledges"])


@lesson.input
def night_item(hospital):
    """What stood on the worklist for the order of Case 17 at 01:30 UTC: a Dataset."""
    from coursekit.hospital import worklist

    uid = _case(hospital)["planned_study_uid"]
    return worklist.dataset(next(item for item in worklist.items(hospital, "2025-03-30 01:30:00") if item["StudyInstanceUID"] == uid))


@lesson.input
def night_capture(hospital):
    """What passed between the emergency CT and the worklist in that night: a Sniffer."""
    capture = hospital.capture("ct_mwl")
    return Sniffer(capture.packets, capture.truth["hosts"])


# --- what a person may write

ALIASES = {"OBR-2": "ORC-2", "OBR-3": "ORC-3"}


def place(value):
    """A field such as "IPC-1" from "IPC-1", "ipc 1", "IPC.1" or, for its first component, "IPC-1.1"."""
    text = re.sub(r"\s", "", str(value)).strip("'\"").upper()
    found = re.fullmatch(r"([A-Z][A-Z][A-Z0-9])(?:\[1\])?[-._:]?(\d{1,2})(?:\[1\])?(?:[.^-](\d))?", text)
    if not found:
        raise ValueError("a field is written like PID-5, or PID-5.2 for a component")
    field = f"{found[1]}-{int(found[2])}"
    field = ALIASES.get(field, field)
    return field if found[3] in (None, "1") else f"{field}.{found[3]}"


def letter(value):
    """The letter of FATES, from "b", "B", "b)" or the whole text."""
    text = str(value).strip(" .'\"").casefold()
    text = next((one for one, fate in FATES.items() if fate.casefold() == text), text)
    text = re.sub(r"^\(?([a-z])[).:,].*", r"\1", text)
    if text not in FATES:
        raise ValueError(f"give one of the letters {', '.join(FATES)}")
    return text


CAUSES = {
    "a": "The order never reached the worklist.",
    "b": "The order reached it, but the mapping lost what the scanner needs.",
    "c": "The item was there, but the keys of the scanner's query did not match it.",
    "d": "The item was there, but the worklist refused the scanner's association, so no query was ever sent.",
    "e": "The item was there, but the network let nothing through between scanner and worklist.",
}


def cause(value):
    """The letter of CAUSES."""
    text = str(value).strip(" .'\"").casefold()
    text = next((one for one, said in CAUSES.items() if said.casefold().rstrip(".") == text), text)
    text = re.sub(r"^\(?([a-z])[).:,].*", r"\1", text)
    if text not in CAUSES:
        raise ValueError(f"give one of the letters {', '.join(CAUSES)}")
    return text


def _about_key(scanner, given, right, input_of):
    """What to say of a wrong key: what the scanner's query has there."""
    query = input_of("asked")[scanner]
    if given == "none":
        return "Something is planned for this scanner, and one key keeps it out. Take the keys out one by one, and ask again."
    pairs = {**query, **query["ScheduledProcedureStepSequence"]}
    asks = {dicom.tag(keyword): value for keyword, value in pairs.items() if type(value) is str}
    if given not in asks:
        return "Its query does not have that key."
    if not asks[given]:
        return "In its query that key is empty: it restricts nothing (PS3.4 C.2.2.2.3)."
    return f"Its query has {asks[given]!r} there. Is that not just what this scanner should ask for today?"


# What stands in fields that are no answer, in words
_WHOLE = "the code of the requested procedure, not of the protocol by which its step is done"
HELD = {
    "MSH-7": "when the message was made", "ORC-2": "the placer order number", "ORC-9": "when the order was placed", "OBR-4": _WHOLE,
    "OBR-44": _WHOLE, "OBR-7": "the observation date/time", "TQ1-9": "the priority", "IPC-5": "the modality",
    "IPC-7": "the name of the station", "IPC-8": "where the station stands", "IPC-9": "the AE title of the station",
    "PID-3": "a number of the patient",
}
OLDER = ("OBR-18", "OBR-19", "OBR-20", "OBR-24", "OBR-27", "ORC-7", "ZDS-1")


def _about_place(name, given, right, input_of):
    """What to say of a wrong place: what the message has there."""
    field = given.split(".")[0]
    try:
        there = input_of("clinic_order")[given if "." in given else f"{given}.1"]
    except hl7.BadPath:
        there = ""
    if not there:
        older = " An order of version 2.3.1 has such a value there." if field in OLDER or given.startswith("OBR-4.") else ""
        return f"At {given} this message has nothing.{older}"
    also = next((f" ({other}{given.removeprefix(field)} repeats it)" for other, same in ALIASES.items() if same == field), "")
    if "." in given and field in (*WhereItStands.solution().values(), "ORC-2"):
        return (f"At {given}{also} this message has {there!r}: that comes behind the value. Where a field has components, the value is in "
                "the first.")
    if field in HELD and given == field:
        return f"At {given}{also} this message has {there!r}: {HELD[field]}."
    if given in WhereItStands.solution().values():
        return f"At {given} this message has {there!r}: another of the seven."
    return f"At {given} this message has {there!r}. Compare it with the item in the picture: which attribute has such a value?"


_MERGED = "It was merged: is the number under which it was ordered the one in PID-3 or the one in MRG-1, and which of the two survives?"
LOOK = {
    "change": "Its second line is an XO: what does the table say that it does, and what stays as it was?",
    "cancelled": "Its second line has CA or DC in ORC-1: what does the table say of both?",
    "retired": _MERGED,
    "survivor": _MERGED,
    "begun": "Its last line is an N-CREATE: what does the table say of IN PROGRESS?",
    "wrong entry": "Its last line gives a reason: what does the table say of that reason?",
    "after the end": "Go through its three MPPS lines one by one: had the step ended already when the last of them came?",
    "update": "Its second line is an A08: what of the patient is told anew, and whom does the table say that it is for?",
}


def _about_fate(name, given, right, input_of):
    """What to say of a wrong letter."""
    if given == "a" and input_of("plots")[name] == "survivor":
        return (f"You say that {FATES[given]}. The CA in its second line is about another order, for another number. And "
                f"{_MERGED[0].lower()}{_MERGED[1:]}")
    return f"You say that {FATES[given]}. {LOOK[input_of('plots')[name]]}"


KEY_NAMES = {"date": "ScheduledProcedureStepStartDate", "start date": "ScheduledProcedureStepStartDate",
             "time": "ScheduledProcedureStepStartTime", "start time": "ScheduledProcedureStepStartTime", "name": "PatientName",
             "ae title": "ScheduledStationAETitle", "aet": "ScheduledStationAETitle", "title": "ScheduledStationAETitle",
             "station": "ScheduledStationAETitle"}


def key_name(value):
    """The tag of a key from its keyword, name or tag, from a column of the list, or from its path in the query; "none"."""
    text = str(value).strip(" '\".").casefold()
    text = re.sub(r"^scheduledprocedurestepsequence(\[0\])?[ .>/]+", "", text)
    if text in ("", "none", "no key", "nothing", "-"):
        return "none"
    return dicom.tag(KEY_NAMES.get(text, text if type(value) is str else value))


class Key(Text):
    """As `Text`; None and empty text are "none"."""

    def read(self, given):
        """The tag, or "none"."""
        return "none" if given is None or is_a(given, str) and not str.strip(given) else super().read(given)


def _about_case(name, given, right, input_of):
    """What to say of a wrong entry on Case 17."""
    if name == "message":
        events = dict(zip(input_of("night")["MSH-10"], input_of("night")["message"], strict=True))
        if given.upper() in events:
            return f"In `night` that is the MSH-10 of a message of type {events[given.upper()]}: it brings no order."
        if given.isdigit():
            return "That is the number of a row. Asked is what stands in that row under MSH-10."
        if given.upper() in events.values():
            return "That is the type of a message. Asked is its number, MSH-10."
        return "No message in `night` has that in MSH-10."
    if name == "frame":
        pdus = dict(zip(input_of("night_capture").pdus["frame"], input_of("night_capture").pdus["pdu"], strict=True))
        there = pdus.get(given[0])
        if there is None:
            return "In that frame no PDU begins. Take a number from the column `frame` of the PDUs."
        return f"That is an {there}. Which stream is the association that was for the worklist, and which PDU in it comes from HV_MWL?"
    if name == "planned_for" and given.casefold() != right.casefold():
        return "That is not what stands in the item. Which attribute inside the step says for whom it is planned?"
    return None


def _pairs(given):
    """The attributes of a dictionary, a Series or a Dataset: {keyword: value}. Raises Unclear."""
    if is_library(given, "pydicom.dataset", "Dataset"):
        return {element.keyword: element.value for element in given}
    if is_library(given, "pandas", "Series"):
        given = sys.modules["pandas"].Series(given)
        return {name: value for name, value in zip(plain(given.index), plain(given), strict=True) if type(name) is str}
    if not is_a(given, dict):
        raise Unclear(describe(given))
    return {name: value for name, value in dict.items(given) if type(name) is str}


def _value(keyword, given):
    """A value as text in one form: names without empty components at the end, times without a fraction of nought."""
    value = plain(given)
    if value is None:
        return ""
    if type(value) is int:
        value = str(value)
    if type(value) is not str:
        raise Unclear(f"a dictionary in which `{keyword}` is {describe(given)}")
    value = value.strip(" \0")
    if keyword == "PatientName":
        return value.rstrip("^=")
    if keyword.endswith("Time") and re.fullmatch(r"\d{6}\.0+", value):
        return value[:6]
    return value


def _quoted(value):
    """A value in quotes, its backslashes as they stand in a message and not doubled as in a text of Python."""
    return repr(value).replace("\\\\", "\\")


class Attributes(Kind):
    """DICOM attributes: a dictionary from keywords to texts, or a pydicom Dataset; more than asked does no harm.

    keywords : those that are compared
    """

    takes = "a dictionary of attributes, {keyword: text}, or a pydicom Dataset"

    def __init__(self, *keywords):
        super().__init__("attributes")
        self.keywords = keywords

    def read(self, given):
        """{keyword: text}"""
        pairs = _pairs(given)
        for keyword in self.keywords:
            if keyword not in pairs:
                raise Unclear(f'a dictionary without `{keyword}`. What is not known is there all the same, as ""')
        return {keyword: _value(keyword, pairs[keyword]) for keyword in self.keywords}

    def difference(self, answer, other):
        """None when all agree."""
        wrong = next((keyword for keyword in self.keywords if answer[keyword] != other[keyword]), None)
        return None if wrong is None else Difference(f"Look at `{wrong}`: {_quoted(answer[wrong])} is not what belongs there.", "value")


class FromMessage(Function):
    """A function of a message. Of a wrong answer it is said for which order, and what that order has there.

    right  : a function of the message, the solution
    spoken_of : a function of the message, the keyword of the first wrong attribute and what was given for it: how a sentence on the order
             ends; None when nothing is said of the order but which it is
    """

    def __init__(self, variables, result, right=None, spoken_of=None):
        super().__init__(variables, result)
        self.right, self.spoken_of = right, spoken_of

    def judge(self, exercise, given, editions):
        """The verdict on the function; also where it stopped or returned something else, it is said where the order is kept."""
        verdict = super().judge(exercise, given, editions)
        if verdict.outcome is Outcome.NOT_YET and verdict.message.startswith("For the ") and self._kept(exercise) not in verdict.message:
            return Verdict(verdict.outcome, f"{verdict.message} {self._kept(exercise)}", verdict.label)
        return verdict

    def _as_written(self, case):
        return f"the {case[0].event} with {case[0].control_id} in MSH-10"

    def _kept(self, exercise):
        kept = f"{exercise.lesson.variable}.{exercise.handle}.failed[0]"
        return f"That order is kept in `{kept}`; to run it: `{self.variables[0]}({kept})`."

    def _told(self, case, value):
        message, = case
        told = f"The first that it fails for is {self._as_written(case)}"
        if self.spoken_of is None:
            return f"{told}."
        answer, right = self.result.read(value), self.result.read(self.right(message))
        wrong = next(keyword for keyword in self.result.keywords if answer[keyword] != right[keyword])
        return f"{told}: {self.spoken_of(message, wrong, answer[wrong])}."


class Items(Kind):
    """Worklist items: a list of dictionaries or Datasets, each with the Scheduled Procedure Step Sequence."""

    takes = "a list of items, each a dictionary of attributes or a pydicom Dataset"

    def __init__(self):
        super().__init__("items")

    def read(self, given):
        """A sorted list of (values of TOP, a tuple of the values of STEP for each item of the sequence, what stands where it does not
        belong); None for what is not there."""
        if is_a(given, dict) or is_library(given, "pydicom.dataset", "Dataset"):
            raise Unclear("one item. Collect the items in a list, also when there is only one, and return the list after the loop")
        if is_a(given, types.GeneratorType):
            raise Unclear("a generator, which hands its items over one by one (`yield`). Put them into a list with `append`, and return "
                          "that")
        if not is_a(given, (list, tuple)):
            raise Unclear(describe(given))
        found = []
        for one in given:
            pairs = _pairs(one)
            steps = pairs.get("ScheduledProcedureStepSequence")
            if is_a(steps, dict) or is_library(steps, "pydicom.dataset", "Dataset"):
                steps = [steps]
            if steps is not None and not is_a(steps, (list, tuple)) and not is_library(steps, "pydicom.sequence", "Sequence"):
                raise Unclear(f"an item whose `ScheduledProcedureStepSequence` is {describe(steps)}")
            if any(is_a(step, (list, tuple)) for step in steps or []):
                raise Unclear("an item whose `ScheduledProcedureStepSequence` is a list with another list inside. If your step is a list "
                              "already, it needs no further brackets: the sequence is a list of one dictionary")
            steps = [_pairs(step) for step in steps or []]
            above, below = (tuple(keyword for keyword in keywords if any(keyword in where for where in places))
                            for keywords, places in ((STEP, [pairs]), (TOP, steps)))
            found.append((self._values(pairs, TOP), tuple(self._values(step, STEP) for step in steps), above, below))
        return sorted(found, key=repr)

    @staticmethod
    def _values(pairs, keywords):
        return tuple(_value(keyword, pairs[keyword]) if keyword in pairs else None for keyword in keywords)

    def difference(self, answer, other):
        """None when both have the same items, in any order."""
        if answer == other:
            return None
        if len(answer) != len(other):
            made = f"{len(answer) or 'no'} item{'s' * (len(answer) != 1)}"
            return Difference(f"It made {made} of that message. Count its Scheduled Procedure Step IDs.", "count")
        if any(len(steps) != 1 for _, steps, *_ in answer + other):
            return Difference("Not every item has a Scheduled Procedure Step Sequence with exactly one item inside.", "sequence")
        for (top, (step,), above, below), (right_top, (right_step,), *_) in zip(answer, other, strict=True):
            for keyword, value, right in zip(TOP + STEP, top + step, right_top + right_step, strict=True):
                if value != right:
                    said = ("stands at the top, and not inside the step, of which it tells" if value is None and keyword in above else
                            "stands inside the step, and not at the top, where it belongs" if value is None and keyword in below else
                            "is not there" if value is None else f"is {_quoted(value)}, which does not belong there")
                    return Difference(f"Look at `{keyword}`: it {said}.", "value")
        for (*_, above, below), (*_, right_above, right_below) in zip(answer, other, strict=True):
            if above != right_above:
                return Difference(f"`{(above or right_above)[0]}` stands at the top as well. It tells of the step: inside alone.", "value")
            if below != right_below:
                return Difference(f"`{(below or right_below)[0]}` stands inside the step as well. It belongs to the top alone.", "value")
        return Difference("Look at how the items and their steps belong together.", "value")


class Truth(Kind):
    """True or False, or what counts as one of them: a match of a regular expression, None, 0 or 1."""

    takes = "True or False"

    def __init__(self):
        super().__init__("fits")

    def read(self, given):
        """A bool."""
        if is_a(given, re.Match):
            return True
        value = plain(given)
        if value not in (True, False, None) or type(value) is float:
            raise Unclear(describe(given))
        return bool(value)

    def difference(self, answer, other):
        """None when they agree."""
        return None if answer == other else Difference("They do not agree.", "value")


# --- 1

PLACES = ("accession", "requested_procedure_id", "study_uid", "step_id", "protocol", "start", "filler_number")


@lesson.exercise
class WhereItStands:
    """Where does each of these stand in `clinic_order`, the clinic's OMI^O23? Give the **field**, such as `"PID-5"`; where the field has
    components, the value is in the first.

    - `accession`: Accession Number (0008,0050)
    - `requested_procedure_id`: Requested Procedure ID (0040,1001)
    - `study_uid`: Study Instance UID (0020,000D)
    - `step_id`: Scheduled Procedure Step ID (0040,0009)
    - `protocol`: the code of the Scheduled Protocol (0040,0008)
    - `start`: the day and time for which the step is **planned** (0040,0002), (0040,0003)
    - `filler_number`: Filler Order Number (0040,2017)
    """

    answer = Fields("places", {name: Text("", reading=place) for name in PLACES}, in_order=True, remark=_about_place)
    points = 1
    praise = "Both versions say the same, in other places. A mapping that looks for a place of one version in the other finds nothing."

    def solution():
        return {
            "accession": "IPC-1",
            "requested_procedure_id": "IPC-2",
            "study_uid": "IPC-3",
            "step_id": "IPC-4",
            "protocol": "IPC-6",
            "start": "TQ1-7",
            "filler_number": "ORC-3",
        }

    def as_in_the_older_version():
        return dict(zip(PLACES, ("OBR-18", "OBR-19", "ZDS-1", "OBR-20", "OBR-4.4", "ORC-7.4", "ORC-3")))

    def filler_as_accession():
        return {**WhereItStands.solution(), "accession": "ORC-3"}

    def placer_as_accession():
        return {**WhereItStands.solution(), "accession": "ORC-2"}

    def segment_counted():
        return dict(zip(PLACES, ("IPC-2", "IPC-3", "IPC-4", "IPC-5", "IPC-7", "TQ1-8", "ORC-4")))

    def time_of_the_order():
        return {**WhereItStands.solution(), "start": "ORC-9"}

    def placer_for_filler():
        return {**WhereItStands.solution(), "filler_number": "ORC-2"}

    wrong_ways = {
        as_in_the_older_version: "That is where an ORM^O01 of version 2.3.1 has it. In this message that field is empty or not there: "
        "since version 2.5, what imaging needs has a segment of its own (HL7 v2.5.1 chapter 4; IHE RAD TF-2 4.4).",
        filler_as_accession: "That is the filler order number: the number by which the department's system knows the order. Some sites do "
        "use it as accession number; then both are the same, and here they are not.",
        placer_as_accession: "That is the placer order number, by which the ward's system knows the order. Images that bear it as "
        "accession number find no order at the archive.",
        segment_counted: "That field holds another of the seven values. If your other fields are one too high as well, you counted the "
        "segment's name as field 1. Field 1 is what stands between the first and the second `|` (only MSH is different: there the first "
        "`|` itself is field 1).",
        time_of_the_order: "That is when the order was placed. A list that goes by it shows the patient on the day of the visit to the "
        "family doctor, not on the day of the exam.",
        placer_for_filler: "ORC-2 is the placer's number: *placer* is who asks, *filler* who does it. Both have the same form here; the "
        "field tells them apart.",
    }
    hints = [
        "Print the message and look for values of the same form as in the picture above: where it began with A and a date, with RP, with "
        "2.999, with SPS.",
        "One segment of this message is about imaging alone, and another about time alone. Count the fields from the first `|` on.",
        "Five of the seven stand in the last segment, in the order in which they are asked (with one field left out). Times of an order "
        "are in the segment whose name begins with TQ.",
    ]


# --- 2

def _patients(draw):
    """Patients with everything that PID-3, 5, 7 and 8 bring, a list."""
    number = draw.randrange(200000, 800000)

    def hv(kind="MR", more=0, owner="HVGH"):
        return (f"HV{number + more}" if kind == "MR" else f"V{21000000 + more + number % 1000}", owner, kind)

    clinic, region = (f"EC-{draw.randrange(10000, 99999)}", "ECC", "MR"), (f"NM{draw.randrange(10**7, 10**8)}", "NMH", "MR")
    # What the clinic knows of our number it files as one of its own, and it may be out of date.
    ticket, copied = (f"B{number}", "ECC", "PT"), (f"HV{number - 60}", "ECC", "PI")
    old, theirs = hv(more=-70, owner="HVGH2"), hv(more=-80, owner="ECC-HVGH")
    numbers = [(hv(),), (ticket, hv(more=1)), (clinic, hv(more=2)), (hv("AN"), hv(more=3)), (hv(more=4), clinic),
               (region, clinic, hv(more=5)), (clinic, hv("AN"), hv(more=6)), (hv(more=7), hv("AN")), (copied, clinic, hv(more=8)),
               (old, hv(more=9)), (hv(more=10), old), (theirs, hv(more=11)), (hv(more=12), theirs),
               (ticket, region, clinic, hv("AN"), hv(more=13))]
    family, given = draw.sample(FAMILIES, 4), draw.sample(GIVEN, 4)
    names = [f"{family[0]}^{given[0]}", f"{family[1]}^{given[1]}^K^JR^DR", f"{family[2]}^{given[2]}^^III", f"{family[3]}^{given[3]}^^^PROF",
             f"{family[0]}^{given[1]} \\T\\ {given[2]}", f"{family[1]}^{given[2]}^^SR^DR^^L", f"{family[2]}-{family[3]}^{given[3]}^^^^^L",
             f"{family[3]}^{given[0]} \\T\\ {given[3]}^M", f"VAN DALEN&VAN&DALEN^{given[1]}^^JR", f'{family[2]}^{given[0]}^""^""^DR',
             f"VAN HOEK&VAN&HOEK^{given[3]}"]
    year = draw.randrange(1935, 2005)
    births = [f"{year}0817", f"{year}", f"{year}05", f"{year}0000", f"{year}1124093000", f"{year}0300", "", f"{year}1231", '""',
              f"{year}0102120000+0100"]
    sexes = ["F", "M", "U", "O", "A", "N", "", "F", "U"]
    found = [Patient(numbers[place % 14], names[place * 3 % 11], births[place * 7 % 10], sexes[(place * 2 + 1) % 9]) for place in range(42)]
    # What is rarer: other types of number, many numbers, days that end in 0, names that are not known or not in capitals.
    own = hv(more=20)
    rare = [(hv("VN"), own), (own, hv("VN")), (hv("MRT"), own), (own, hv("MRT")), (clinic, theirs, old, own),
            (region, clinic, ticket, copied, theirs, old, own), (region, clinic, ticket, copied, theirs, old, hv("AN"), hv("VN"), own)]
    rare += [pair for kind in ("PI", "PT", "SS", "") for pair in ((hv(kind), own), (own, hv(kind)))]
    found += [Patient(one, names[0], f"{year}0817", "F") for one in rare]
    found += [Patient((own,), names[0], birth, "M") for birth in (f"{year}0810", f"{year}1130", f"{year}1020093000")]
    found += [Patient((own,), name, f"{year}0817", "F") for name in (
        f'""^{given[0]}', '""', f"{family[0]}^{given[0]} \\F\\ {given[1]}", f"{family[0]}^{given[0]} \\R\\ {given[1]}",
        "de Vries^Anna^M^jr^Dr", f'{family[0]}^""^""^JR', f"{family[1]}^{given[1]}^^JR^DR^PHD", f"{family[2]}^{given[2]}^^^^MD")]
    return found


def _about_patient(message, keyword, given):
    """What an order has where a patient's attribute comes from."""
    if keyword == "PatientID":
        numbers = [(message[f"PID-3[{place}].1"], message[f"PID-3[{place}].4.1"], message[f"PID-3[{place}].5"])
                   for place in range(1, message["PID-3"].count("~") + 2)]
        found = next((place for place, (number, _, _) in enumerate(numbers) if number == given), None)
        several = f"its PID-3 has {len(numbers)} repetitions" if len(numbers) > 1 else "its PID-3 has a single number"
        if not given:
            single = f", with {message['PID-3.4']!r} in component 4 and {message['PID-3.5']!r} in 5" if len(numbers) == 1 else ""
            return f"{several}{single}, and your function took {'none of them' if not single else 'it for none of ours'}"
        if found is None:
            return f"{several}, and none of them is the number {given!r}"
        return f"{several}; number {found + 1} is {given!r}, of the authority {numbers[found][1]!r} and the type {numbers[found][2]!r}"
    place = {"PatientName": "PID-5", "PatientBirthDate": "PID-7", "PatientSex": "PID-8"}.get(keyword)
    return f"its {place} is {_quoted(message[place])}" if place else "the table says where the issuer comes from"


def _named(message, order=("1.1", "2", "3", "5", "4"), undo=hl7.unescape, null=""):
    """PatientName of a message, made in one way or another."""
    parts = [undo(message[f"PID-5.{component}"]) for component in order]
    return "^".join(null if part == '""' else part for part in parts)


@lesson.exercise
class PatientPart:
    """Write `patient_part(message)`: what an order says of its **patient**, as a dictionary with the five entries `"PatientID"`,
    `"IssuerOfPatientID"`, `"PatientName"`, `"PatientBirthDate"` and `"PatientSex"`. The rules are in the table above.

    `message` is read already; `message["PID-5.1"]` is text. The function is tried on orders of both versions, real ones among them.
    """

    answer = FromMessage("patient_part", Attributes("PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "PatientSex"),
                         right=lambda message: PatientPart.solution(message), spoken_of=_about_patient)
    points = 3
    praise = "These five end up in every image header. What is wrong here is wrong a thousand times by the evening."

    def solution(message):
        number = ""
        for place in range(1, 10):
            if message[f"PID-3[{place}].4.1"] == "HVGH" and message[f"PID-3[{place}].5"] == "MR":
                number = message[f"PID-3[{place}].1"]
        parts = []
        for component in ("1.1", "2", "3", "5", "4"):
            part = hl7.unescape(message[f"PID-5.{component}"])
            if part == '""':
                part = ""
            parts.append(part)
        birth = message["PID-7"][:8]
        if len(birth) < 8 or birth[4:6] == "00" or birth[6:8] == "00":
            birth = ""
        return {
            "PatientID": number,
            "IssuerOfPatientID": "HVGH",
            "PatientName": "^".join(parts),
            "PatientBirthDate": birth,
            "PatientSex": SEXES.get(message["PID-8"], ""),
        }

    def cases(draw, real_orders):
        orders = []
        for place, patient in enumerate(_patients(draw)):
            made = _order(100 + place, patient, "CTHD", _at(8, draw))
            orders.append(hl7.parse(orm(made) if place % 2 else omi(made)))
        for place, patient in enumerate(_patients(draw)[:9]):           # from senders that name an authority, and give no OID
            sent = omi(_order(200 + place, patient, "CTHD", _at(8, draw)))
            orders.append(hl7.parse(sent.replace(f"HVGH&{OIDS['HVGH']}&ISO", "HVGH")))
        clinic = [one for one in real_orders if one["MSH-3"] == "ECC_RIS"]
        return [(one,) for one in orders + draw.sample(real_orders, min(8, len(real_orders))) + clinic[-2:]]

    def components_as_they_come(message):
        return {**PatientPart.solution(message), "PatientName": _named(message, order=("1.1", "2", "3", "4", "5"))}

    def field_as_it_comes(message):
        return {**PatientPart.solution(message), "PatientName": hl7.unescape(message["PID-5"])}

    def escapes_left(message):
        return {**PatientPart.solution(message), "PatientName": _named(message, undo=str)}

    def surname_in_parts(message):
        return {**PatientPart.solution(message), "PatientName": _named(message, order=("1", "2", "3", "5", "4"))}

    def null_kept(message):
        return {**PatientPart.solution(message), "PatientName": _named(message, null='""')}

    def first_number(message):
        return {**PatientPart.solution(message), "PatientID": message["PID-3[1].1"]}

    def first_of_the_type(message):
        numbers = [message[f"PID-3[{place}].1"] for place in range(1, 10) if message[f"PID-3[{place}].5"] == "MR"]
        return {**PatientPart.solution(message), "PatientID": numbers[0]}

    def any_of_the_hospital(message):
        numbers = [message[f"PID-3[{place}].1"] for place in range(1, 10) if message[f"PID-3[{place}].4.1"] == "HVGH"]
        return {**PatientPart.solution(message), "PatientID": numbers[0]}

    def by_its_form(message):
        numbers = [message[f"PID-3[{place}].1"] for place in range(1, 10) if message[f"PID-3[{place}].1"].startswith("HV")]
        return {**PatientPart.solution(message), "PatientID": numbers[0]}

    def last_of_the_hospital(message):
        numbers = [message[f"PID-3[{place}].1"] for place in range(1, 10) if message[f"PID-3[{place}].4.1"] == "HVGH"]
        return {**PatientPart.solution(message), "PatientID": numbers[-1]}

    def longer_authority(message):
        numbers = [message[f"PID-3[{place}].1"] for place in range(1, 10)
                   if "HVGH" in message[f"PID-3[{place}].4"] and message[f"PID-3[{place}].5"] == "MR"]
        return {**PatientPart.solution(message), "PatientID": numbers[0]}

    def as_many_as_in_the_example(message):
        numbers = [message[f"PID-3[{place}].1"] for place in range(1, 4)
                   if message[f"PID-3[{place}].4.1"] == "HVGH" and message[f"PID-3[{place}].5"] == "MR"]
        return {**PatientPart.solution(message), "PatientID": (numbers or [""])[0]}

    def whole_authority(message):
        return {**PatientPart.solution(message), "IssuerOfPatientID": f"HVGH&{OIDS['HVGH']}&ISO"}

    def first_of_january(message):
        birth = message["PID-7"].strip('"')[:8]
        birth = birth[:4] + (birth[4:6].replace("00", "01") or "01") + (birth[6:8].replace("00", "01") or "01") if birth else ""
        return {**PatientPart.solution(message), "PatientBirthDate": birth}

    def date_as_it_comes(message):
        return {**PatientPart.solution(message), "PatientBirthDate": message["PID-7"].replace('""', "")}

    def first_eight(message):
        return {**PatientPart.solution(message), "PatientBirthDate": message["PID-7"].replace('""', "")[:8]}

    def whole_dates_only(message):
        return {**PatientPart.solution(message), "PatientBirthDate": message["PID-7"] if len(message["PID-7"]) == 8 else ""}

    def any_eight(message):
        return {**PatientPart.solution(message), "PatientBirthDate": message["PID-7"][:8] if len(message["PID-7"]) >= 8 else ""}

    def sex_as_it_comes(message):
        return {**PatientPart.solution(message), "PatientSex": message["PID-8"]}

    def unknown_is_other(message):
        return {**PatientPart.solution(message), "PatientSex": SEXES.get(message["PID-8"], "O")}

    wrong_ways = {
        components_as_they_come: "You kept the order of the name's components. HL7's fourth is the suffix and its fifth the prefix (XPN, "
        "HL7 v2.5.1 chapter 2A); DICOM's fourth is the prefix and its fifth the suffix (PS3.5 section 6.2.1). So DR JR and JR DR change "
        "places.",
        field_as_it_comes: "You took PID-5 whole. After the fifth component HL7 has more, such as the type of name, L; and the fourth "
        "and the fifth are the other way round in DICOM (PS3.5 section 6.2.1).",
        escapes_left: "Escapes are left in the name: what stands as \\T\\ in a message is an ampersand outside of it (HL7 v2.5.1 section "
        "2.7). And a backslash in a DICOM value separates two values.",
        first_number: "You took the first number in PID-3. The repetitions have no agreed order: the clinic puts its own first.",
        first_of_the_type: "You chose by the type, MR, alone. Every hospital has medical record numbers: which hospital's it is, the "
        "assigning authority says (CX.4).",
        any_of_the_hospital: "You chose by the assigning authority alone, and took its first number. HVGH assigns account numbers too: "
        "AN in CX.5. An image under an account number belongs to nobody after discharge.",
        by_its_form: "You chose the number by how it looks. Whose number it is, the assigning authority says and not its first letters: "
        "the clinic keeps a copy of ours among its own numbers, which nobody brings up to date.",
        last_of_the_hospital: "You chose by the assigning authority alone; the last number won. HVGH assigns account numbers too: AN in "
        "CX.5.",
        surname_in_parts: "You took the whole first component of PID-5. From version 2.5 on the family name has parts of its own, with & "
        "between: the first is the whole surname, behind it stand its prefix and the name without it (FN, HL7 v2.5.1 chapter 2A). Take "
        "`PID-5.1.1`.",
        null_kept: "Two quotation marks are left in the name. In HL7 `\"\"` is no text but says that there is nothing (the null value, "
        "HL7 v2.5.1 section 2.5.3).",
        longer_authority: "You look whether HVGH stands somewhere in the assigning authority. HVGH2 and ECC-HVGH are others, with numbers "
        "of their own: compare the namespace as a whole, `PID-3[...].4.1`.",
        as_many_as_in_the_example: "You look at the first few numbers of PID-3 only. It may repeat more often than in the example above.",
        whole_authority: "Issuer of Patient ID (0010,0021) takes the namespace alone, the first subcomponent of CX.4. The OID belongs into "
        "(0010,0024).",
        first_of_january: "You filled up what is not known with the first: an invented birthday, which will fail to match the true one in "
        "every comparison. Type 2 may be empty.",
        date_as_it_comes: "You passed PID-7 on as it came. DICOM's DA is a whole date of eight digits or nothing (PS3.5 section 6.2); a "
        "year alone, or a time behind the date, is refused by many scanners.",
        first_eight: "You cut PID-7 to eight characters. Of a year alone that leaves four, and zeros for month or day are no date "
        "(PS3.5 section 6.2, VR DA).",
        whole_dates_only: "You took what has exactly eight characters. Some senders write a time behind the date, which was lost with "
        "it; and eight characters with zeros for the day are no date.",
        any_eight: "You took eight characters wherever there are as many. Zeros for month or day mean that it is not known; DICOM has no "
        "such date (PS3.5 section 6.2, VR DA).",
        sex_as_it_comes: "You passed PID-8 on as it came. Patient's Sex (0010,0040) knows F, M and O only (PS3.3 C.7.1.1); U is no value "
        "of it.",
        unknown_is_other: "You made O of everything else. O says *other*, which is a statement; of U and N nothing is known, and type 2 "
        "may be empty.",
    }
    hints = [
        "Take it value by value, and try the function on `order` and `clinic_order` after each. Begin with the constant one, then the sex: "
        "`SEXES.get(code, \"\")` gives \"\" for a code that the table lacks.",
        "For the number: the loop of the cell above with a range that reaches the ninth, an `if` whose conditions are joined by `and`, "
        "and the number kept in a variable. For the name: the other loop, over the five components, then `\"^\".join(parts)`.",
        "For the date: cut to eight characters with `[:8]`; then `if` it is shorter than eight, or `[4:6]` or `[6:8]` is \"00\", it is "
        "\"\".",
        "The name's components are \"1.1\", \"2\", \"3\" and then: first the prefix, \"5\", and then the suffix, \"4\".",
    ]


patient_part = PatientPart.solution             # what the learner's function is called in the notebook; later solutions use it


# --- 3

def _starting(message, start):
    """The right attributes, but for another start."""
    start = start.split("+")[0]
    return {**ProcedurePart.solution(message), "ScheduledProcedureStepStartDate": start[:8],
            "ScheduledProcedureStepStartTime": start[8:14] and start[8:14].ljust(6, "0")}


def _start_of(message):
    return message["TQ1-7.1"] if "IPC" in message else message["ORC-7.4"] or message["OBR-27.4"]


# Where an attribute stands in an ORM, and in an OMI
HOMES = {
    "AccessionNumber": ("OBR-18", "IPC-1.1"), "RequestedProcedureID": ("OBR-19", "IPC-2"), "StudyInstanceUID": ("ZDS-1.1", "IPC-3"),
    "ScheduledProcedureStepID": ("OBR-20", "IPC-4"), "Modality": ("OBR-24", "IPC-5"), "ScheduledStationAETitle": ("", "IPC-9"),
    "ScheduledProcedureStepDescription": ("OBR-4.5", "IPC-6.2"), "ScheduledProcedureStepStartDate": ("", "TQ1-7"),
}


def _about_procedure(message, keyword, given):
    """Where in an order stands what was given for an attribute of the procedure."""
    home = HOMES.get(keyword, ("", ""))["IPC" in message]
    if given and home and not message[home]:
        return f"its {home} is empty, and what is empty there stays empty, but your function gave {_quoted(given)}"
    if keyword in STEP[-2:]:
        times = [f"{place} is {message[place]!r}" for place in ("TQ1-7", "ORC-7.4", "OBR-27.4", "OBR-7", "ORC-9")
                 if message[place] or place == "TQ1-7" and "IPC" in message]
        return "of its times, " + ", ".join(times)
    if not given:
        segment = "an IPC segment" if "IPC" in message else "no IPC segment"
        versions = f"MSH-9 {message['MSH-9']}, MSH-12 {message['MSH-12']}"
        return f"it has {segment} ({versions}), and your function gave \"\" for this"
    if hl7.unescape(given) != given:
        return f"in {_quoted(given)} escapes are left"
    found = [place for place, value in hl7.parts(message).items() if value == given]
    if home and message[home].startswith(given) and message[home] != given:
        return f"{_quoted(given)} is only the beginning of what stands there at {home}"
    if found:
        older = "IPC" in message and not found[0].startswith("IPC")
        besides = ", and it has an IPC segment, beside which nothing else counts" if older else ""
        return f"{_quoted(given)} stands there at {' and '.join(found[:2])}{besides}"
    return f"{_quoted(given)} stands nowhere in it as a value of its own"


@lesson.exercise
class ProcedurePart:
    """Write `procedure_part(message)`: what an order of **one step** says of the procedure, as a dictionary with these ten entries:

    `"AccessionNumber"`, `"RequestedProcedureID"`, `"StudyInstanceUID"`, `"RequestedProcedureDescription"`,
    `"ScheduledProcedureStepID"`, `"Modality"`, `"ScheduledStationAETitle"`, `"ScheduledProcedureStepDescription"`,
    `"ScheduledProcedureStepStartDate"`, `"ScheduledProcedureStepStartTime"`

    It gets orders of both versions, as your functions get them at work: with all that senders put into fields which are not asked.
    """

    answer = FromMessage("procedure_part", Attributes(*TOP[5:], *STEP), right=lambda message: ProcedurePart.solution(message),
                         spoken_of=_about_procedure)
    points = 3
    praise = "Accession number and Study Instance UID are what ties the images to the order. Everything after the exam hangs on these two."

    def solution(message):
        found = {}
        if "IPC" in message:
            found["AccessionNumber"] = message["IPC-1.1"]
            found["RequestedProcedureID"] = message["IPC-2"]
            found["StudyInstanceUID"] = message["IPC-3"]
            found["ScheduledProcedureStepID"] = message["IPC-4"]
            found["Modality"] = message["IPC-5"]
            found["ScheduledStationAETitle"] = message["IPC-9"]
            found["ScheduledProcedureStepDescription"] = hl7.unescape(message["IPC-6.2"])
            start = message["TQ1-7"]
        else:
            found["AccessionNumber"] = message["OBR-18"]
            found["RequestedProcedureID"] = message["OBR-19"]
            found["StudyInstanceUID"] = message["ZDS-1.1"]
            found["ScheduledProcedureStepID"] = message["OBR-20"]
            found["Modality"] = message["OBR-24"]
            found["ScheduledStationAETitle"] = station_of(message)
            found["ScheduledProcedureStepDescription"] = hl7.unescape(message["OBR-4.5"])
            start = message["ORC-7.4"] or message["OBR-27.4"]
        found["RequestedProcedureDescription"] = hl7.unescape(message["OBR-44.2"] or message["OBR-4.2"])
        start = start.split("+")[0]
        time = start[8:14]
        if time != "":
            time = time.ljust(6, "0")
        found["ScheduledProcedureStepStartDate"] = start[:8]
        found["ScheduledProcedureStepStartTime"] = time
        return found

    def cases(draw, real_orders):
        number, people, made = draw.randrange(100, 500), _people(draw, 12), []
        codes = ("CTHD", "MRBR", "CTPA", "XCHPA", "USABD", "MGSCR")
        texts = ("{} routine", "{} & contrast", "{} low dose", "{} | night protocol")
        for place, patient in enumerate(people):
            code = codes[place % 6]
            text = texts[(place + place // 2) % 4]      # each of them in both versions
            one = _order(number + place, patient, code, _at(8 + place % 3, draw), "E" if place % 4 == 0 else "O", text)
            if place in (4, 5, 10, 11):         # without seconds
                one = one._replace(start=one.start[:12])
            elif place in (0, 7):
                one = one._replace(start=one.start[:12] + "37")
            if place % 2:
                # The clinic books the CT of the emergency department for outpatients as well.
                one = one._replace(station="CTER01" if code.startswith("CT") else "MR1" if code == "MRBR" else "CR_ER1")
                made.append(hl7.parse(omi(one, zone="+0200" if place % 3 else "")))
            else:
                timing = ("both", "OBR", "ORC", "OBR", "ORC", "both")[place // 2]
                made.append(hl7.parse(orm(one, zone="+0200" if place % 3 else "", timing=timing)))
        for place in (1, 5, 9):                 # what an OMI has in fields that IPC and TQ1 replace is the sender's own affair
            one = made[place]
            one["OBR-18"], one["OBR-19"], one["OBR-20"], one["OBR-24"] = f"WARD{place}", f"W-{place}7", f"ROOM {place}", "RAD"
            one["OBR-4.4"], one["OBR-4.5"], one["OBR-4.6"] = f"L{place}", f"Local protocol {place}", "99ECC"
            one["ORC-7.4"] = one["OBR-27.4"] = f"2025040{place % 3 + 3}100000"
        made[3]["IPC-1"], made[3]["OBR-18"] = "", "WARD3"
        made[7]["IPC-6.2"], made[7]["OBR-4.4"], made[7]["OBR-4.5"] = "", "L7", "Local protocol 7"
        clinic = [one for one in real_orders if one["MSH-3"] == "ECC_RIS"]
        for one, escape in zip(made[2:6], ("\\T\\", "\\F\\", "\\T\\", "\\R\\"), strict=True):
            one["OBR-44.2"] = f"{one['OBR-44.2']} {escape} MORE"        # the department made something else of what was ordered
        for one, version in zip(made[6:10], ("2.3", "2.5.1", "2.3.1", "2.5.1"), strict=True):
            # no text in OBR-44: a sender of version 2.3, two that leave it out, one that gives the code alone
            one["MSH-12"], one["OBR-44"] = version, f"{one['OBR-44.1']}^^99HV" if one is made[9] else ""
            one["OBR-4.2"] = f"{one['OBR-4.2']} \\T\\ MORE"
        # Orders in which one place is empty, and all others are full.
        for place, field in enumerate(("IPC-1", "IPC-2", "IPC-3", "IPC-4", "IPC-5", "IPC-6.2", "IPC-9", "TQ1-7")):
            one = hl7.parse(omi(_order(number + 20 + place, people[place], "CTHD", _at(8, draw)), field_18=f"WARD{place}", section="RAD"))
            one["OBR-19"], one["OBR-20"], one["OBR-4.4"], one["OBR-4.5"] = f"W-{place}8", f"ROOM {place}", "L8", "Local protocol 8"
            one["ORC-7.4"] = one["OBR-27.4"] = "20250403100000"
            one.add(f"ZDS|2.999.200.9.{place + 1}^ECC^Application^DICOM")
            one[field] = ""
            made.append(one)
        for place, field in enumerate(("OBR-18", "OBR-19", "OBR-20", "OBR-24", "OBR-4.5", "ZDS-1.1")):
            one = hl7.parse(orm(_order(number + 30 + place, people[place], "CTCH", _at(9, draw))))
            one[field] = ""
            made.append(one)
        # Starts: in winter, of a day alone, with a fraction of a second.
        for place, (start, zone) in enumerate((("202511071415", "+0100"), ("20250408", ""), ("20250408101523.250", "+0200"))):
            one = _order(number + 40 + place, people[place], "MRBR", start)
            made += [hl7.parse(orm(one, zone=zone)), hl7.parse(omi(one._replace(number=one.number + 5), zone=zone))]
        # It is the segment that decides: ORMs of a late version, with and without IPC, and an OMI of another version.
        ours, theirs, later, long = (_order(number + 50 + place, people[place], "CTAP", _at(9, draw)) for place in range(4))
        made += [hl7.parse(orm(ours).replace("|P|2.3.1|", "|P|2.5.1|")), hl7.parse(omi(theirs).replace("|OMI^O23^OMI_O23|", "|ORM^O01|")),
                 hl7.parse(omi(later).replace("|P|2.5.1|", "|P|2.6|")), hl7.parse(omi(long))]
        made[-1]["IPC-1.1"] = f"ECC-2025-{draw.randrange(10**9):010}"
        return [(one,) for one in made] + [(one,) for one in draw.sample(real_orders, min(6, len(real_orders))) + clinic[-2:]]

    def filler_as_accession(message):
        return {**ProcedurePart.solution(message), "AccessionNumber": message["ORC-3.1"]}

    def placer_as_accession(message):
        return {**ProcedurePart.solution(message), "AccessionNumber": message["ORC-2.1"]}

    def older_place_first(message):
        found = ProcedurePart.solution(message)
        return {**found, "AccessionNumber": message["OBR-18.1"] or found["AccessionNumber"],
                "RequestedProcedureID": message["OBR-19"] or found["RequestedProcedureID"],
                "ScheduledProcedureStepID": message["OBR-20"] or found["ScheduledProcedureStepID"],
                "Modality": message["OBR-24"] or found["Modality"],
                "ScheduledProcedureStepDescription": hl7.unescape(message["OBR-4.5"]) or found["ScheduledProcedureStepDescription"]}

    def older_place_for_what_is_empty(message):
        found = ProcedurePart.solution(message)
        if "IPC" not in message:
            return found
        return {**_starting(message, message["TQ1-7"] or message["ORC-7.4"]),
                "AccessionNumber": message["IPC-1.1"] or message["OBR-18"], "RequestedProcedureID": message["IPC-2"] or message["OBR-19"],
                "StudyInstanceUID": message["IPC-3"] or message["ZDS-1.1"],
                "ScheduledProcedureStepID": message["IPC-4"] or message["OBR-20"], "Modality": message["IPC-5"] or message["OBR-24"],
                "ScheduledStationAETitle": message["IPC-9"] or station_of(message),
                "ScheduledProcedureStepDescription": hl7.unescape(message["IPC-6.2"] or message["OBR-4.5"])}

    def older_time_for_none(message):
        return _starting(message, message["TQ1-7"] or message["ORC-7.4"]) if "IPC" in message else ProcedurePart.solution(message)

    def with_its_authority(message):
        return {**ProcedurePart.solution(message), "AccessionNumber": message["IPC-1"] if "IPC" in message else message["OBR-18"]}

    def uid_with_its_owner(message):
        return {**ProcedurePart.solution(message), "StudyInstanceUID": message["IPC-3"] or message["ZDS-1"]}

    def wanted_time(message):
        return _starting(message, message["OBR-7"] or _start_of(message))

    def time_of_the_order(message):
        return _starting(message, message["ORC-9"])

    def orc_alone(message):
        return _starting(message, message["TQ1-7"] if "IPC" in message else message["ORC-7.4"])

    def obr_alone(message):
        return _starting(message, message["TQ1-7"] if "IPC" in message else message["OBR-27.4"])

    def older_time_first(message):
        return _starting(message, message["ORC-7.4"] or message["OBR-27.4"] or message["TQ1-7"])

    def zone_left(message):
        return {**ProcedurePart.solution(message), "ScheduledProcedureStepStartTime": _start_of(message)[8:]}

    def zone_cut_in_two(message):
        return {**ProcedurePart.solution(message), "ScheduledProcedureStepStartTime": _start_of(message)[8:14]}

    def minutes_only(message):
        return {**ProcedurePart.solution(message), "ScheduledProcedureStepStartTime": _start_of(message)[8:12]}

    def seconds_made_up(message):
        return {**ProcedurePart.solution(message), "ScheduledProcedureStepStartTime": _start_of(message)[8:12] + "00"}

    def midnight_invented(message):
        time = _start_of(message).split("+")[0][8:14].ljust(6, "0")
        return {**ProcedurePart.solution(message), "ScheduledProcedureStepStartTime": time}

    def table_for_all(message):
        return {**ProcedurePart.solution(message), "ScheduledStationAETitle": station_of(message)}

    def station_name(message):
        return {**ProcedurePart.solution(message), "ScheduledStationAETitle": message["IPC-7"] or station_of(message)}

    def escapes_left(message):
        return {**ProcedurePart.solution(message), "RequestedProcedureDescription": message["OBR-44.2"] or message["OBR-4.2"],
                "ScheduledProcedureStepDescription": message["IPC-6.2"] or message["OBR-4.5"]}

    def newer_senders_only(message):
        return {**ProcedurePart.solution(message), "RequestedProcedureDescription": hl7.unescape(message["OBR-44.2"])}

    def service_as_ordered(message):
        return {**ProcedurePart.solution(message), "RequestedProcedureDescription": hl7.unescape(message["OBR-4.2"])}

    def whole_procedure(message):
        return {**ProcedurePart.solution(message), "ScheduledProcedureStepDescription": hl7.unescape(message["OBR-4.2"])}

    wrong_ways = {
        filler_as_accession: "You took the filler order number as accession number. Some sites do; Harbour Vale has a number of its own "
        "for the study, and the archive looks for that one.",
        placer_as_accession: "You took the placer order number as accession number. That is the ward's number; the archive does not know "
        "it.",
        older_place_first: "In an order with an IPC segment, OBR-18 to OBR-24 and the protocol in OBR-4 are the sender's own affair: a "
        "ward, a room, the word RAD. What stands in IPC counts, if IPC is there (IHE RAD TF-2 4.4, OMI^O23). With `a or b`, the first "
        "that is not empty wins.",
        older_place_for_what_is_empty: "Where a field of IPC is empty, you fell back to the left column: with `a or b` the second speaks "
        "when the first is empty. But in an order with an IPC, OBR-18 is a ward and OBR-4.5 a text of the sender's own. What IPC leaves "
        "empty stays empty: ask `if \"IPC\" in message`.",
        older_time_for_none: "Where TQ1-7 is empty, you took the start from ORC-7 or OBR-27: with `a or b` the second speaks when the "
        "first is empty. In an order with an IPC these are the sender's own affair, a wish perhaps. What is empty stays empty: ask "
        "`if \"IPC\" in message`.",
        with_its_authority: "You took the whole field: behind the accession number stands who assigned it, after a ^. The number alone "
        "is the first component. With the rest it is too long for SH, 16 characters (PS3.5 section 6.2).",
        uid_with_its_owner: "You took the whole field ZDS-1: behind the UID stands its owner. A UID consists of digits and dots (PS3.5 "
        "section 9.1).",
        wanted_time: "You took OBR-7, the observation date/time: in a result it says when the exam was; in an order some senders put "
        "there when they would like it. When it is planned stands elsewhere.",
        time_of_the_order: "You took ORC-9, the time at which the order was placed. The scanner that asks for today's steps will not "
        "find it.",
        orc_alone: "Some orders end up without a start. Of the two places in an ORM not every sender fills both: the quantity/timing "
        "stands in ORC-7 or in OBR-27, and you read ORC-7 alone.",
        obr_alone: "Some orders end up without a start. Of the two places in an ORM not every sender fills both: the quantity/timing "
        "stands in ORC-7 or in OBR-27, and you read OBR-27 alone.",
        older_time_first: "In an OMI you let ORC-7 or OBR-27 speak before TQ1-7. In version 2.5.1 both are left over from older versions "
        "(HL7 v2.5.1 section 4.5.1.7): some senders leave there what the ward had wished. TQ1 says when it is planned.",
        zone_left: "The time zone is left behind the time. DICOM's TM has no zone (PS3.5 section 6.2): hours, minutes, seconds, on the "
        "wall clock of the site.",
        zone_cut_in_two: "You cut six characters out, whatever they are. A start without seconds, such as 202504080930+0200, leaves 0930 "
        "and a piece of the zone. Take the zone off first, and fill up what is too short.",
        minutes_only: "Your times have four digits. DICOM's TM would allow that (PS3.5 section 6.2); the rule at Harbour Vale is six. And "
        "seconds that were sent are lost.",
        seconds_made_up: "You put two zeros for the seconds in every order. Where seconds were sent, they are the start's.",
        midnight_invented: "Where no time was sent, yours has six zeros: midnight, which nobody has planned. `ljust` fills up an empty "
        "text as well. What is not known stays empty: fill up only what is not `\"\"`.",
        table_for_all: "You asked the site's table for every order. An OMI says itself which AE it is planned for; against it, the table "
        "sends the patient to another room.",
        station_name: "You took IPC-7, the station's *name*. It is for people to read; scanners ask by the AE title, in IPC-9.",
        escapes_left: "Escapes are left in the description: \\T\\ is an ampersand, \\F\\ a vertical bar (HL7 v2.5.1 section 2.7). The "
        "scanner would show them, or take each backslash for the beginning of another value.",
        service_as_ordered: "You took the description of OBR-4, which says what was ordered. Where there is OBR-44, the procedure stands "
        "there (IHE RAD TF-2x appendix B); the two differ when the department made something else of the order.",
        newer_senders_only: "Some orders end up without a description of the procedure. Version 2.3 ends before OBR-44, and a sender of a "
        "later one may leave it out, or send the code without a text. Then the text in OBR-4 has to do.",
        whole_procedure: "You took the name of the requested procedure. The step has one of its own, its protocol: for a procedure of two "
        "steps the technologist must see which is which.",
    }
    hints = [
        "Begin with an empty dictionary. Then `if \"IPC\" in message:` and, indented, one line for each value of the right column; "
        "`else:` and one line for each of the left.",
        "Mind the components: where a field goes on behind a ^, its first component is meant, such as `message[\"IPC-1.1\"]` and "
        "`message[\"ZDS-1.1\"]`.",
        "Put the start into a variable in either branch; in an ORM two places are joined by `or`. After both branches take the zone off, "
        "then cut: `[:8]` and `[8:14]`, and fill up a time that is not empty, as in the cell above.",
        "`RequestedProcedureDescription` is the same in both: `message[\"OBR-44.2\"] or message[\"OBR-4.2\"]`. Both descriptions need "
        "`hl7.unescape`.",
    ]


procedure_part = ProcedurePart.solution


# --- 4

@lesson.exercise
class OrderToItems:
    """Write `order_to_items(message)`: the **list of the worklist items** of an order, each a dictionary. Use your two functions, and
    `single_steps`. In each item

    - what tells of the patient, of the request and of the study stands at the top;
    - what tells of the step stands inside, and only there: `"ScheduledProcedureStepSequence"` is a list of **one** dictionary. (A
      dictionary without the list around it counts as one, here and wherever the course makes Datasets of dictionaries.)

    The picture at the beginning shows which is which. It is tried on orders of one step and of several, and on messages with two orders.
    """

    answer = FromMessage("order_to_items", Items())
    points = 2
    praise = "This is a whole mapping. In ten lines it does what a worklist broker does with an order, refusals apart."

    def solution(message):
        items = []
        for one in single_steps(message):
            item = patient_part(one)
            step = procedure_part(one)
            for keyword in ("AccessionNumber", "RequestedProcedureID", "StudyInstanceUID", "RequestedProcedureDescription"):
                item[keyword] = step.pop(keyword)
            item["ScheduledProcedureStepSequence"] = [step]
            items.append(item)
        return items

    def cases(draw, pet_order):
        number, people, made = draw.randrange(100, 500), _people(draw, 6), []
        for place, patient in enumerate(people):
            made.append(_order(number + 10 * place, patient, ("CTHD", "PETCT", "PETCT", "MRBR", "XCHPA", "CTCH")[place], _at(8, draw)))
        two = made[3], _order(number + 33, people[3], "XKNEE", _at(9, draw))
        four = made[4]._replace(steps=tuple(("DX", f"X-{place}", f"View {place} & stitching") for place in (1, 2, 3, 4)))
        messages = [orm(made[0]), orm(made[1]), omi(made[2]), omi(*two), orm(four), omi(made[5])]
        return [(hl7.parse(one),) for one in messages] + [(pet_order,)]

    def flat(message):
        return [{**patient_part(one), **procedure_part(one)} for one in single_steps(message)]

    def one_item_for_all(message):
        items = OrderToItems.solution(message)
        return [{**items[0], "ScheduledProcedureStepSequence": [item["ScheduledProcedureStepSequence"][0] for item in items]}]

    def same_dictionary(message):
        items = OrderToItems.solution(message)
        return [items[-1]] * len(items)

    def same_step(message):
        items = OrderToItems.solution(message)
        return [{**item, "ScheduledProcedureStepSequence": items[-1]["ScheduledProcedureStepSequence"]} for item in items]

    def step_at_the_top_too(message):
        return [{**item, **item["ScheduledProcedureStepSequence"][0]} for item in OrderToItems.solution(message)]

    def request_inside_too(message):
        return [{**item, "ScheduledProcedureStepSequence": [procedure_part(one)]}
                for one, item in zip(single_steps(message), OrderToItems.solution(message), strict=True)]

    def both_on_both_levels(message):
        return [{**patient_part(one), **procedure_part(one), "ScheduledProcedureStepSequence": [procedure_part(one)]}
                for one in single_steps(message)]

    def first_step_only(message):
        return OrderToItems.solution(message)[:1]

    def study_for_each_step(message):
        return [{**item, "StudyInstanceUID": f"{item['StudyInstanceUID']}.{place}"}
                for place, item in enumerate(OrderToItems.solution(message), 1)]

    def accession_for_each_step(message):
        return [{**item, "AccessionNumber": f"{item['AccessionNumber']}-{place}"}
                for place, item in enumerate(OrderToItems.solution(message), 1)]

    def all_inside(message):
        return [{**patient_part(one), "ScheduledProcedureStepSequence": [procedure_part(one)]} for one in single_steps(message)]

    def first_order_for_all(message):
        items = OrderToItems.solution(message)
        return [{**item, **{keyword: items[0][keyword] for keyword in TOP[5:]}} for item in items]

    def message_as_it_is(message):
        items = []
        for _ in single_steps(message):
            step = procedure_part(message)
            items.append({**patient_part(message), **{keyword: step.pop(keyword) for keyword in TOP[5:]},
                          "ScheduledProcedureStepSequence": [step]})
        return items

    wrong_ways = {
        flat: "Everything stands at the top. A scanner asks for its AE title *inside* the Scheduled Procedure Step Sequence (0040,0100), "
        "and your items have none: no query by station, date or modality would find them (PS3.4 Table K.6-1).",
        one_item_for_all: "You put all steps into the sequence of one item. A worklist answers with one item for each step: its Scheduled "
        "Procedure Step Sequence holds exactly one (PS3.4 Table K.6-1).",
        same_dictionary: "All items of a message are the same, the last. Make the dictionary of an item *inside* the loop, at its "
        "beginning: one that is made before the loop is a single dictionary, which each round fills anew and the list holds several "
        "times.",
        same_step: "All items of a message have the same step inside, the last. Did you make its dictionary before the loop, and fill it "
        "anew in each round, such as with `update`? Then it is a single one, which stands in every item. Make it *inside* the loop.",
        step_at_the_top_too: "The step stands inside, and its attributes at the top as well. At the top they mean nothing to a worklist; "
        "two copies may come to differ, and then nobody knows which counts.",
        request_inside_too: "Accession number, Requested Procedure ID and Study Instance UID are at the top, and have stayed inside the "
        "step as well. `pop` takes them out of it; `get` and `[...]` leave them there.",
        both_on_both_levels: "Everything stands on both levels. Each attribute belongs to one: move the four of the request to the top "
        "with `pop`; what is left is the step.",
        first_step_only: "One item came out of every message. The second step of a PET/CT is not on the list then: its scanner finds the "
        "PET only, and the CT images have no order. Is there a loop over `single_steps(message)`? And if there is: does your `return` "
        "stand inside it, so that it ends in the first round?",
        study_for_each_step: "Each step got a Study Instance UID of its own. Both steps of a PET/CT belong to one requested procedure "
        "and one study: the UID is the order's to give, not the mapping's.",
        accession_for_each_step: "You numbered the accession numbers. The steps of one request share it; the archive would look for orders "
        "that nobody placed.",
        all_inside: "Accession number, Requested Procedure ID and Study Instance UID stand inside the step. They belong to the request, "
        "which may have several steps: at the top (PS3.4 Table K.6-1).",
        first_order_for_all: "All items bear the first order's numbers. A message of the clinic's may hold two orders, each with its own "
        "accession number and study.",
        message_as_it_is: "You made an item for each step, but asked the whole message each time: it answers with its first segment of a "
        "name, so all items are of the first step. Ask the single steps.",
    }
    hints = [
        "A loop over `single_steps(message)`: each round makes one item and appends it to a list that was empty before the loop.",
        "Inside the loop call `patient_part` and `procedure_part` with the single step, not with `message`.",
        "Four of the ten entries of `procedure_part` belong to the top; move each with `item[...] = step.pop(...)`. The six that are "
        "left are the step: `[step]` is the list of one.",
    ]


# --- 5

def _about_rule(vr, value, key):
    """Which of the five rules decides."""
    if key in ("", "*"):
        return "Rule 1 decides here."
    if value == "":
        return "Rule 2 decides here: the value is missing, and the key is neither empty nor a single `*`."
    if vr in ("DA", "TM") and "-" in key:
        return f"Rule 3 decides here: {vr} has ranges, and there is a `-` in the key."
    brackets = " Square brackets are letters like others in DICOM, and `fnmatch` takes them for something else." if "[" in key else ""
    if vr in TEXTS and ("*" in key or "?" in key):
        return f"Rule 4 decides here: {vr} is one of `TEXTS`, and there is a wildcard in the key.{brackets}"
    if "*" in key or "?" in key:
        return f"Rule 5 decides here: {vr} is none of `TEXTS`, so the `*` or `?` in the key is a letter like others."
    return f"Rule 5 decides here: for {vr} and this key none of the others applies.{brackets}"


def _like(value, key):
    """Whether a text fits a key in which * and ? are wildcards, and nothing else is."""
    return fnmatch.fnmatchcase(value, key.replace("[", "[[]"))


@lesson.exercise
class Fits:
    """Write `fits(vr, value, key)`: whether the `value` of an item fits the `key` of a query; `vr` is the value representation of the
    attribute, such as `"DA"`. All three are text; `""` is what is empty or missing. It returns `True` or `False`.

    Five rules (PS3.4 section C.2.2.2), of which the first that applies decides:

    1. an empty key fits everything, a value that is missing included; so does a key that is a single `*` (the standard says that of
       the VRs in `TEXTS`; in others it is not tried);
    2. a value that is missing fits no other key;
    3. in `DA` and `TM` a key with a `-` is a range, both ends included; an end may be missing;
    4. in the VRs of `TEXTS`, `*` stands for any characters, also for none, and `?` for exactly one;
    5. everything else is compared letter by letter, from the first to the last.

    If it fails, `cpia03.q5.failed` holds the three texts, and `fits(*cpia03.q5.failed)` calls your function with them: the star hands
    them over one by one.
    """

    answer = Function("fits", result=Truth(), about=_about_rule)
    points = 3
    praise = "With these five rules you can follow nearly every query of a scanner by hand, and find the key that empties its list."

    def solution(vr, value, key):
        if key == "" or key == "*":
            return True
        if value == "":
            return False
        if vr in ("DA", "TM") and "-" in key:
            first, last = key.split("-")
            return first <= value and (last == "" or value <= last)
        if vr in TEXTS and ("*" in key or "?" in key):
            return fnmatch.fnmatchcase(value, key.replace("[", "[[]"))
        return value == key

    def cases(draw):
        day, early, late = f"202504{draw.randrange(7, 10):02}", "20250406", "20250411"
        time = f"{draw.randrange(9, 12):02}3000"
        family, given = draw.choice(FAMILIES), draw.choice(GIVEN)
        name, number = f"{family}^{given}", f"HV{draw.randrange(100000, 999999)}"
        initial = family[:3]
        found = [
            ("SH", "A2504070011", ""), ("PN", name, ""), ("DA", day, ""), ("LO", "", ""), ("SH", "", "*"), ("PN", name, "*"),
            ("DA", "", ""), ("AE", "CTER01", "CTER01"), ("AE", "CTER01", "CTER02"), ("AE", "CTER01", "CT"), ("AE", "CT", "CTER01"),
            ("AE", "CTER01", "cter01"), ("CS", "CT", "CT"), ("CS", "CT", "MR"), ("CS", "", "CT"), ("LO", number, number),
            ("LO", number, number[:-1]), ("LO", "", number), ("LO", number, number[2:]), ("DA", day, day), ("DA", day, early),
            ("DA", day, f"{early}-{late}"), ("DA", day, f"{day}-{late}"), ("DA", day, f"{early}-{day}"), ("DA", day, f"{day}-{day}"),
            ("DA", day, f"{day}-"), ("DA", day, f"-{day}"), ("DA", day, f"{early}-"), ("DA", day, f"-{late}"), ("DA", day, f"{late}-"),
            ("DA", day, f"-{early}"), ("DA", day, f"{late}-{early}"), ("DA", "", f"{early}-{late}"), ("DA", "", f"-{late}"),
            ("DA", "", f"{early}-"), ("DA", day, day[:6]), ("DA", early, f"{day}-{late}"), ("DA", late, f"{early}-{day}"),
            ("TM", time, "080000-120000"), ("TM", time, "120000-170000"), ("TM", time, f"{time}-"), ("TM", time, "-090000"),
            ("TM", time, time), ("PN", name, f"{initial}*"), ("PN", name, f"*{given}"), ("PN", name, f"{family}^*"), ("PN", name, family),
            ("PN", name, f"*{family[1:]}"), ("PN", f"X{name}", f"{initial}*"), ("PN", name, f"{name}*"), ("PN", name, f"{name}?"),
            ("PN", name, f"?{name[1:]}"), ("PN", name, f"??{name[1:]}"), ("PN", "", "A*"), ("PN", name, f"{initial}*^*{given[-2:]}"),
            ("PN", name, f"*{initial[1:]}*"), ("LO", number, "HV??????"), ("LO", number, "HV?????"), ("LO", number, f"HV{number[2]}*"),
            ("LO", number, "*"), ("LO", "", "HV*"), ("SH", "A250407001X", "A250407001?"), ("SH", "SPS4.300", "SPS4.3*"),
            ("SH", "SPS47300", "SPS4.3*"), ("SH", "SPS-7", "SPS-7"), ("SH", "SPS-7", "SPS-8"), ("SH", "SPS-75", "SPS-7*"),
            ("PN", "HOEK-VISSER^MIA", "HOEK-VISSER^MIA"), ("PN", "HOEKA^MIA", "HOEK-VISSER*"), ("UI", "2.999.200.7.1", "2.999.200.7.1"),
            ("UI", "2.999.200.7.1", "2.999.200.7"), ("UI", "2.999.200.7.1", "2.999.*"), ("UI", "2.999.200.7.1", "2.999.200.7.?"),
            ("UI", "2.999.200.7.11", "2.999.200.7.1"), ("DA", day, f"{day[:6]}*"), ("TM", time, f"{time[:3]}???"),
            ("DA", day, "????????"), ("LO", "CT [LOW]", "CT [LOW]*"), ("LO", "CT L", "CT [LOW]*"), ("SH", "A[1]7", "A[1]?"),
            ("SH", "A17", "A[1]?"), ("LO", "KNEE [L]", "KNEE [L]"), ("TM", time, f"080000-{time}"), ("TM", time, f"-{time}"),
            ("TM", "", "-"), ("CS", "CT", "C"), ("TM", "120030", "110000-120000"), ("TM", "120030", "-120000"),
            ("TM", "120000", "120030-"),
            ("SH", "A25040700", "A2504070?"), ("SH", "A2504070", "A2504070?"),
            # every VR of TEXTS, and some of the others
            ("AE", "CT2", "CT?"), ("AE", "CTER01", "CT*"), ("AE", "MR1", "CT*"), ("CS", "CT", "C?"), ("CS", "OT", "C*"),
            ("LT", "KNEE LEFT", "*LEFT"), ("ST", "WARD 7", "WARD ?"), ("UC", "KNEE LEFT", "KNEE*"),
            ("UR", "http://hv.example/7", "http://*"), ("UT", "KNEE LEFT, STANDING", "KNEE*STANDING"), ("IS", "12", "1*"),
            ("IS", "12", "1?"), ("IS", "12", "12"), ("DS", "1.5", "1.*"), ("AS", "045Y", "045?"), ("AS", "045Y", "04*"),
            ("DT", f"{day}{time}", f"{day}*"),
            # a bracket is this letter and no other
            ("LO", "CT XLOW]", "CT [LOW]*"), ("SH", "A(1]7", "A[1]?"), ("SH", "A[1)7", "A[1]?"), ("LO", "KNEE L", "KNEE [L]"),
        ]
        draw.shuffle(found)
        return found

    def empty_fits_empty(vr, value, key):
        return value == "" if key == "" else Fits.solution(vr, value, key)

    def missing_fits(vr, value, key):
        return value == "" or Fits.solution(vr, value, key)

    def missing_fits_ranges(vr, value, key):
        if value == "" and vr in ("DA", "TM") and key.startswith("-"):
            return True
        return Fits.solution(vr, value, key)

    def missing_fits_nothing(vr, value, key):
        return value != "" and Fits.solution(vr, value, key)

    def ranges_as_text(vr, value, key):
        return value == key if vr in ("DA", "TM") and "-" in key else Fits.solution(vr, value, key)

    def ends_left_out(vr, value, key):
        if vr in ("DA", "TM") and "-" in key and value:
            first, last = key.split("-")
            return first < value and (last == "" or value < last)
        return Fits.solution(vr, value, key)

    def last_end_left_out(vr, value, key):
        if vr in ("DA", "TM") and "-" in key and value:
            first, last = key.split("-")
            return first <= value and (last == "" or value < last)
        return Fits.solution(vr, value, key)

    def first_end_left_out(vr, value, key):
        if vr in ("DA", "TM") and "-" in key and value:
            first, last = key.split("-")
            return first < value and (last == "" or value <= last)
        return Fits.solution(vr, value, key)

    def dates_alone(vr, value, key):
        return value == key if vr == "TM" and "-" in key and value else Fits.solution(vr, value, key)

    def the_other_way_round(vr, value, key):
        return Fits.solution(vr, key, value)

    def part_of_the_value(vr, value, key):
        return key in value

    def no_open_end(vr, value, key):
        if vr in ("DA", "TM") and "-" in key and value:
            first, last = key.split("-")
            return first <= value <= last
        return Fits.solution(vr, value, key)

    def dash_everywhere(vr, value, key):
        if "-" in key and value:
            first, last = key.split("-", 1)
            return first <= value and (last == "" or value <= last)
        return Fits.solution(vr, value, key)

    def stars_as_text(vr, value, key):
        return value == key if vr in TEXTS and key != "*" and ("*" in key or "?" in key) else Fits.solution(vr, value, key)

    def found_inside(vr, value, key):
        if vr in TEXTS and "*" in key:
            return value != "" and all(part in value for part in key.replace("?", "").split("*")) or key == "*"
        return Fits.solution(vr, value, key)

    def mark_for_any_number(vr, value, key):
        return Fits.solution(vr, value, key.replace("?", "*") if vr in TEXTS and value else key)

    def mark_for_none_or_one(vr, value, key):
        if vr in TEXTS and value and "?" in key:
            pattern = "".join({"*": ".*", "?": ".?"}.get(one, re.escape(one)) for one in key)
            return re.fullmatch(pattern, value) is not None
        return Fits.solution(vr, value, key)

    def mark_as_text(vr, value, key):
        return value == key if "?" in key and "*" not in key else Fits.solution(vr, value, key)

    def wild_everywhere(vr, value, key):
        if "*" in key or "?" in key:
            return key == "*" or value != "" and _like(value, key)
        return Fits.solution(vr, value, key)

    def beginning_is_enough(vr, value, key):
        plain_key = key and "*" not in key and "?" not in key and not (vr in ("DA", "TM") and "-" in key)
        return value.startswith(key) if plain_key else Fits.solution(vr, value, key)

    def case_ignored(vr, value, key):
        return Fits.solution(vr, value.upper(), key.upper())

    def brackets_too(vr, value, key):
        return fnmatch.fnmatchcase(value, key) if vr in TEXTS and value and ("*" in key or "?" in key) else Fits.solution(vr, value, key)

    def brackets_without_wildcards_too(vr, value, key):
        return fnmatch.fnmatchcase(value, key) if vr in TEXTS and value and key else Fits.solution(vr, value, key)

    def bracket_for_any_letter(vr, value, key):
        if vr in TEXTS and value and ("*" in key or "?" in key):
            return fnmatch.fnmatchcase(value, key.replace("[", "?"))
        return Fits.solution(vr, value, key)

    def as_regular_expression(vr, value, key):
        if vr in TEXTS and ("*" in key or "?" in key) and value:
            return re.fullmatch(key.replace("*", ".*").replace("?", "."), value) is not None
        return Fits.solution(vr, value, key)

    wrong_ways = {
        empty_fits_empty: "For you an empty key fits empty values only. In a query an empty key asks for the attribute and restricts "
        "nothing: universal matching (PS3.4 C.2.2.2.3). Scanners send a dozen of them, and would find nothing.",
        missing_fits: "For you a value that is missing fits every key. Then a step without a name turns up in every search for a name.",
        missing_fits_ranges: "A missing date fits your ranges without a beginning: \"\" comes before every text. What has no date lies "
        "in no range (rule 2).",
        missing_fits_nothing: "For you a value that is missing fits no key at all, not even an empty one. That hides every item that "
        "lacks an attribute which the scanner merely wants to see (PS3.4 C.2.2.2.3).",
        ranges_as_text: "You compare a range with the date as one text. A dash in a key of DA or TM makes two ends of it (PS3.4 "
        "C.2.2.2.5).",
        ends_left_out: "The ends of your ranges are left out. Both belong to them (PS3.4 C.2.2.2.5): *from today to today* is today.",
        last_end_left_out: "The last end of your ranges is left out. Both ends belong to them (PS3.4 C.2.2.2.5): *until the 9th* includes "
        "the 9th.",
        first_end_left_out: "The first end of your ranges is left out. Both ends belong to them (PS3.4 C.2.2.2.5): *from today on* "
        "includes today.",
        dates_alone: "Your dates have ranges, and your times have none. Rule 3 is for DA and TM.",
        the_other_way_round: "You took the value for the key and the key for the value: the wildcards, ranges and empty texts that count "
        "are those of `key`, the third argument.",
        part_of_the_value: "For you a key fits when it stands somewhere in the value. In DICOM a key is the whole value, unless a "
        "wildcard says otherwise.",
        no_open_end: "A range without its second end finds nothing with you: nothing is smaller than \"\". `20250407-` is *from that day "
        "on*.",
        dash_everywhere: "You take every dash for a range. Only dates and times have ranges: a double name or an identifier with a dash is "
        "text (PS3.4 C.2.2.2.5).",
        stars_as_text: "You take `*` and `?` for letters of the value. In text VRs they are wildcards (PS3.4 C.2.2.2.4).",
        found_inside: "You look whether the parts around `*` stand anywhere in the value. Without a `*` at the beginning, the value must "
        "begin with what the key begins with; and so at the end.",
        mark_for_any_number: "You let `?` stand for any number of characters. It stands for exactly one.",
        mark_for_none_or_one: "You let `?` stand for no character as well. It stands for exactly one.",
        mark_as_text: "You forgot `?`: it stands for exactly one character (PS3.4 C.2.2.2.4).",
        wild_everywhere: "You let wildcards work in every VR. In dates, times, numbers and UIDs they mean nothing (PS3.4 C.2.2.2.4): a UID "
        "with a `*` is no UID, and fits none.",
        beginning_is_enough: "A value that merely begins with the key fits with you. Without a `*` at its end, a key is the whole value: "
        "CT is not CTER01.",
        case_ignored: "You do not tell upper from lower case. Only names of persons may be matched so; all else is case-sensitive, AE "
        "titles too (PS3.4 C.2.2.2.1).",
        brackets_too: "`fnmatch` has a third wildcard, `[...]`, which DICOM does not have (PS3.4 C.2.2.2.4): there a bracket is a letter "
        "like others. Write `key.replace(\"[\", \"[[]\")` in place of `key`, as in the cell above.",
        brackets_without_wildcards_too: "`fnmatch` has a third wildcard, `[...]`, which DICOM does not have (PS3.4 C.2.2.2.4): there a "
        "bracket is a letter like others, with and without a `*` in the key. Write `key.replace(\"[\", \"[[]\")` in place of `key`, as in "
        "the cell above.",
        bracket_for_any_letter: "You made a `?` of each bracket, so that any letter may stand there. A bracket fits a bracket only: "
        "`key.replace(\"[\", \"[[]\")`, as in the cell above.",
        as_regular_expression: "You made a regular expression of the key, and left its other characters as they are: a dot in the key "
        "then fits any character. `re.escape` first; or take `fnmatch.fnmatchcase`, as in the cell above.",
    }
    hints = [
        "Write the rules as `if` after `if`, in the order in which they stand; each ends with a `return`. What is left at the end is "
        "rule 5.",
        "A range: `first, last = key.split(\"-\")` gives two texts, of which one may be \"\". Dates of eight digits compare as text: "
        "`first <= value`. An empty `first` is smaller than everything; an empty `last` needs care.",
        "Wildcards: `fnmatch.fnmatchcase`, as in the cell above, gives True or False; call it only when `vr in TEXTS` and there is a `*` "
        "or `?` in the key.",
    ]


fits = Fits.solution


# --- 6

def mapping(message):
    """The learner's items as Datasets, as a worklist takes them."""
    return [dataset(item) for item in OrderToItems.solution(message)]


def _names_as_sent(message):
    made = mapping(message)
    for item in made:
        item.PatientName = hl7.unescape(message["PID-5"])
    return made


def _started(orders, title="HV_MWL", **how):
    worklist = Worklist(title, **{"mapping": mapping, "fits": fits, **how})
    worklist.start()
    send(worklist.host, worklist.hl7_port, orders)
    return worklist


class OpenedWorklist(Server):
    """As `Server`; an exception is told with what it means here, and what was returned in place of a worklist."""

    def _tried(self, function, arguments, shown, visit):
        came = []

        def kept(*given):
            came.append(function(*given))
            return came[-1]

        verdict = super()._tried(kept, arguments, shown, visit)
        if (isinstance(verdict, Verdict) and verdict.label == "unreadable" and came and came[0] is not None
                and not (hasattr(came[0], "port") or hasattr(came[0], "server_address"))):
            running = [one for one in came[0] if type(one) is Worklist] if is_a(came[0], (list, tuple)) else []
            for one in running:
                one.stop()
            if running:
                why = "Your function returned the worklist together with something else. Return it alone."
            elif is_a(came[0], int):
                why = f"Your function returned {describe(came[0])}, such as a port. Return the worklist itself: it is asked for its ports."
            else:
                why = f"Your function returned {describe(came[0])}. Return the worklist itself, while it runs."
            return Verdict(verdict.outcome, why, verdict.label)
        return verdict

    def _stopped(self, ran, cases):
        verdict = super()._stopped(ran, cases)
        if ran.raised and ran.raised[0] in ("NoAnswer", "ConnectionRefusedError"):
            why = ("No acknowledgement came from there. Was the worklist started, with `.start()`, before anything was sent to it? And "
                   "`hl7_port` is its port for MLLP, `port` the one for DICOM.")
            return Verdict(verdict.outcome, f"{verdict.message} {why}", verdict.label)
        return verdict


def _made_with(server):
    """Whose functions a worklist works with, in words; of somebody else's server that is seen only in what it answers."""
    if type(server) is Worklist and callable(server.site):
        return {"The mapping that it works with": "none, because your functions went to other parameters. The second place in "
                "`Worklist(...)` is that of `site` and the third that of `mapping`: name them, `mapping=mapping, fits=fits`"}
    given = (server.mapping, server.fits) if type(server) is Worklist else ("yours", "yours")
    made = {f"The {name} that it works with": "none that you gave it" if one is None else "the vendor's" if one is site_mapping else "yours"
            for name, one in zip(("mapping", "matching"), given, strict=True)}
    if callable(given[1]):
        with contextlib.suppress(Exception):            # one that fails is seen in what it answers
            if all(given[1]("AE", "CT2", key) is None for key in ("", "CT2")):
                made["The matching that it works with"] = (
                    "a function that returns None, which counts as False, for an empty key as well as for the right one. Look for a "
                    "`return` that is missing in it")
    return made


def _over_mllp(server, orders):
    """What came to a worklist, in words."""
    as_it_should = "all orders came, and what they ask for is on the list"
    if type(server) is not Worklist:            # what somebody else's server was told is not seen
        return as_it_should
    came, items = server.over_mllp, len(server.items())
    messages = [event.data for event in server.journal if event.data is not None and event.what in ORDERS]
    refused = [event.data for event in server.journal if event.what == "ACK" and event.data is not None and event.data["MSA-1"] != "AA"]
    handed = {hl7.parse(order).control_id for order in orders}
    foreign = sum(message.control_id not in handed for message in messages)
    if came >= len(orders) and items and not refused and not foreign:
        return as_it_should
    said = f"{came or 'no'} message{'s' * (came != 1)} came over MLLP, {items or 'no'} item{'s' * (items != 1)} on the list"
    missing = len(handed - {message.control_id for message in messages})
    if missing and not foreign:
        said += f"; {missing} of the {len(orders)} orders never came"
    if foreign:
        which = "none" if foreign == len(messages) else "not every one"
        return (f"{said}; of the orders that came, {which} was among those that your function was given. It should send `orders`, its own "
                "argument, and nothing else")
    return f"{said}; the first answer that refuses one says {hl7.complaint(refused[0]).rstrip('.')}" if refused else said


@lesson.exercise
class OpenWorklist:
    """Write `open_worklist(orders)`: it starts the worklist **HV_MWL** with your mapping and your matching, sends it the `orders` (a list
    of messages) over MLLP, and returns it while it runs.

    While it is checked, scanners call: by station and day, with a range of days, with a wildcard, with empty keys, for something that is
    not there; and one shows what it would take over into its images. If it fails, `failed` holds the orders.
    """

    answer = OpenedWorklist("open_worklist", called="worklist")
    points = 3
    praise = "HL7 in, DICOM out: that is a worklist broker, with your mapping inside. What these scanners saw, real ones would have seen."

    def solution(orders):
        worklist = Worklist("HV_MWL", mapping=mapping, fits=fits)
        worklist.start()
        send(worklist.host, worklist.hl7_port, orders)
        return worklist

    def cases(draw):
        people, number = _people(draw, 12), draw.randrange(100, 800)
        first = Patient((("EC-20114", "ECC", "MR"), *people[0].numbers), "VAN LOO^HENRI^J^JR^DR", "1949", "U")
        plan = [("CTHD", 7, "E", first), ("CTPA", 7, "E", people[1]), ("CTHD", 8, "E", people[2]), ("CTCH", 7, "O", people[3]),
                ("CTAP", 9, "O", people[4]), ("CTCH", 10, "O", people[5]), ("PETCT", 8, "O", people[6]), ("MRBR", 7, "O", people[7]),
                ("XCHPA", 7, "O", people[8]), ("USABD", 9, "O", people[9])]
        orders = [_order(number + 11 * place, patient, code, _at(day, draw), kind, "{} & contrast" if place == 0 else "{} routine")
                  for place, (code, day, kind, patient) in enumerate(plan)]
        return [([(orm(one) if place % 3 else omi(one)).encode() for place, one in enumerate(orders)],)]

    @contextlib.contextmanager
    def stage(orders):
        yield (orders,), orders

    def visit(server, orders):
        port = server.port if hasattr(server, "port") else server.server_address[1]

        def ask(station="CTER01", **more):
            step = {keyword: more.pop(keyword, "") for keyword in (*STEP, "ScheduledProcedureStepStatus")}
            asked = {**dict.fromkeys(TOP, ""), **more, "ScheduledProcedureStepSequence": step}
            return Scu(station, "HV_MWL", port, seconds=4).worklist(asked)

        def steps(found):
            ids = sorted(str(item.ScheduledProcedureStepSequence[0].get("ScheduledProcedureStepID", "")) if item.get(
                "ScheduledProcedureStepSequence") else "an item without a step" for item in found)
            last = "no answer" if found.status is None else f"{found.status:04X}H"
            why = [event.detail.partition(", ")[2] for event in getattr(server, "journal", ()) if event.detail.startswith("C000H")]
            return f"{', '.join(ids) or 'no item'}; then {last}" + (f", {why[-1]}" if last == "C000H" and why else "")

        seen = {**_made_with(server), "What was sent": _over_mllp(server, orders)}
        try:
            bare = Scu("CT2", "HV_MWL", port, seconds=4).worklist(ScheduledProcedureStepSequence={"ScheduledStationAETitle": "CT2"})
        except NoAssociation as problem:
            return {**seen, "CT2 calls HV_MWL": str(problem).rstrip(".")}
        seen["CT2 calls HV_MWL"] = "it is let in"
        seen["CT2 asks with its AE title alone"] = f"{len(bare)} item{'s' * (len(bare) != 1)}; then {steps(bare).rpartition('; then ')[2]}"
        seen["A workstation asks with empty keys only"] = steps(ask())
        seen["CTER01 asks for its CT steps of today"] = steps(
            ask(ScheduledStationAETitle="CTER01", Modality="CT", ScheduledProcedureStepStartDate=TODAY))
        seen["CT2 asks for its steps from today to the day after tomorrow"] = steps(ask(
            "CT2", ScheduledStationAETitle="CT2", ScheduledProcedureStepStartDate=f"{TODAY}-20250409"))
        seen["PETCT1 asks for its steps from tomorrow on"] = steps(ask(
            "PETCT1", ScheduledStationAETitle="PETCT1", ScheduledProcedureStepStartDate="20250408-"))
        seen["CTER01 asks for names that begin with VAN LOO"] = steps(ask(PatientName="VAN LOO*"))
        seen["MG1 asks for its steps"] = steps(ask("MG1", ScheduledStationAETitle="MG1", Modality="MG"))
        shown = ask(PatientName="VAN LOO^*")
        for item in shown[:1]:
            inside = item.ScheduledProcedureStepSequence[0] if item.get("ScheduledProcedureStepSequence") else {}
            for keyword in TOP:
                seen[f"CTER01 takes over {keyword}"] = _value(keyword, item.get(keyword, "") or "")
            for keyword in STEP:
                seen[f"CTER01 takes over {keyword}, from inside the step"] = _value(keyword, inside.get(keyword, "") or "")
        return seen

    def nothing_sent(orders):
        return Worklist("HV_MWL", mapping=mapping, fits=fits).start()

    def mapping_forgotten(orders):
        return _started(orders, mapping=None)

    def mapping_of_the_vendor(orders):
        return _started(orders, mapping=site_mapping)

    def matching_forgotten(orders):
        return _started(orders, fits=None)

    def handed_over(orders):
        worklist = Worklist("HV_MWL", mapping=mapping, fits=fits).start()
        for order in orders:
            worklist.take(order)
        return worklist

    def stopped_already(orders):
        with _started(orders) as worklist:
            return worklist

    def title_in_lower_case(orders):
        return _started(orders, title="hv_mwl")

    def one_message_sent(orders):
        return _started(orders[:1])

    def one_step_for_each_order(orders):
        return _started(orders, mapping=lambda message: mapping(message)[:1])

    def names_as_sent(orders):
        return _started(orders, mapping=_names_as_sent)

    def compared_as_text(orders):
        return _started(orders, fits=lambda vr, value, key: key in ("", value))

    def empty_fits_nothing(orders):
        return _started(orders, fits=lambda vr, value, key: value == key)

    def everything_fits(orders):
        return _started(orders, fits=lambda vr, value, key: True)

    wrong_ways = {
        nothing_sent: "The list is empty: it runs, but no order has got onto it. Does your function send `orders`, to the port for HL7, "
        "before it returns? And are they taken? What `send` returns are the acknowledgements: their MSA-1 is AA, or AE where your "
        "mapping failed.",
        mapping_forgotten: "Without your mapping it takes OBR-24 for the station and the first MR for the patient. Give it your function "
        "by name: `mapping=mapping`.",
        mapping_of_the_vendor: "Ours is what is to be tested: the function `mapping` that the cell above makes of your `order_to_items`.",
        matching_forgotten: "Give it your function by name: `fits=fits`.",
        handed_over: "The orders are on the list, and none came by the way that an engine takes: `take` hands a message over inside this "
        "notebook. `send` brings the whole list over the network, to `hl7_port`.",
        stopped_already: "It had stopped when your function was done. Does it run under `with`? That stops it where the indented lines "
        "end: here use `.start()`, and leave it running.",
        title_in_lower_case: "The scanners call HV_MWL, and upper and lower case differ in AE titles: it is made with "
        "`Worklist(\"HV_MWL\", ...)`.",
        one_message_sent: "Only the first order is there. `send` takes the whole list.",
        one_step_for_each_order: "The second step of the PET/CT is missing. The mapping makes an item for each step.",
        names_as_sent: "The name is in HL7's order of components. Prefix and suffix change places (PS3.5 section 6.2.1).",
        compared_as_text: "Keys are compared letter by letter only: neither ranges nor wildcards work. Does the worklist get your `fits`?",
        empty_fits_nothing: "Empty keys find nothing. They restrict nothing and ask only to be shown (PS3.4 C.2.2.2.3).",
        everything_fits: "Whatever is asked, the whole list comes: the matching says True to everything. CTER01 would show the list of the "
        "whole hospital.",
    }
    hints = [
        "Four lines: make the worklist, start it, send it the orders, return it.",
        "`Worklist(\"HV_MWL\", mapping=..., fits=...)` takes both functions by their names, without parentheses behind them. `.start()` "
        "starts it.",
        "`send(worklist.host, worklist.hl7_port, orders)` sends over MLLP; `port` alone is the one for DICOM. Do not use `with` here: it "
        "would stop the worklist before your function returns.",
    ]


# --- 7

NAMES = tuple(f"order {number}" for number in range(1, 9))


def _all_but(morning, plots, **changed):
    """The right letters, but for the plots that are named."""
    return {name: changed.get(plots[name].replace(" ", "_"), right) for name, right in fates(morning).items()}


@lesson.exercise
class WhatBecameOfThem:
    """What stands on the worklist at the end about each of the eight orders in `morning`? Give the **letter** from the table above, in
    quotes. Where something is refused, it changes nothing.
    """

    answer = Fields("became", {name: Text("", reading=letter) for name in NAMES}, in_order=True, remark=_about_fate)
    points = 3
    praise = "Now you can tell a ward on the telephone what a scanner sees after any message, without looking."

    def solution(morning):
        found = {}
        for name, events in morning.items():
            own_number = str(events[0]).split("patient ")[1].split(" ")[0]
            fate = "b"                                          # NW: it is on the list as ordered
            for event in events[1:]:
                line = str(event)
                if "ORC-1 XO" in line:
                    fate = "d"                                  # changed; Study Instance UID stays
                elif line == "ORC-1 CA" or line == "ORC-1 DC":
                    fate = "a"                                  # taken off
                elif "A08" in line:
                    fate = "h"                                  # planned steps follow the patient's data
                elif "MRG-1 " + own_number in line:
                    fate = "e"                                  # its number is retired; PID-3 survives
                elif "IN PROGRESS" in line:
                    fate = "c"                                  # stays on the list, STARTED
                elif "COMPLETED" in line:
                    fate = "a"                                  # done, and off the list
                elif "110514" in line and fate == "c":
                    fate = "b"                                  # wrong entry: as if not begun; after COMPLETED it is refused
            found[name] = fate
        return found

    def change_adds(morning, plots):
        return _all_but(morning, plots, change="f")

    def change_makes_a_study(morning, plots):
        return _all_but(morning, plots, change="g")

    def change_is_ignored(morning, plots):
        return _all_but(morning, plots, change="b")

    def cancelled_stays(morning, plots):
        return _all_but(morning, plots, cancelled="b")

    def merge_the_other_way(morning, plots):
        return _all_but(morning, plots, retired="b", survivor="e")

    def merge_takes_off(morning, plots):
        return _all_but(morning, plots, retired="a")

    def started_is_gone(morning, plots):
        return _all_but(morning, plots, begun="a")

    def begun_changes_nothing(morning, plots):
        return _all_but(morning, plots, begun="b")

    def discontinued_is_gone(morning, plots):
        return _all_but(morning, plots, wrong_entry="a")

    def discontinued_stays_started(morning, plots):
        return _all_but(morning, plots, wrong_entry="c")

    def last_word_counts(morning, plots):
        return _all_but(morning, plots, after_the_end="b")

    def completed_stays(morning, plots):
        return _all_but(morning, plots, after_the_end="c")

    def update_is_for_new_orders(morning, plots):
        return _all_but(morning, plots, update="b")

    wrong_ways = {
        change_adds: "An XO changes an order that is there, it does not add one. With both on the list the patient would be called twice "
        "(HL7 table 0119; IHE RAD-13).",
        change_makes_a_study: "A change keeps the Study Instance UID: images may bear it already, and all steps of the request share it. A "
        "mapping that makes up a UID for each message loses the exam.",
        change_is_ignored: "XO is *change order*: what it says counts from now on, the start too.",
        cancelled_stays: "CA and DC both say that it is not to be done: *cancel* before it began, *discontinue* in its course (table "
        "0119). The scanner should not offer it any more.",
        merge_the_other_way: "You let the other number live on. In an A40, PID-3 survives and MRG-1 is retired: what stood under MRG-1 "
        "moves to PID-3 (HL7 v2.5.1 chapter 3; RAD-12).",
        merge_takes_off: "A merge takes nothing off the list. The exam is still to be done, and the item moves to the number that "
        "survives.",
        started_is_gone: "IN PROGRESS says that it has begun. At Harbour Vale it stays on the list, marked, until it has ended; a "
        "technologist who must start again still finds it.",
        begun_changes_nothing: "IN PROGRESS leaves a mark on the item: its Scheduled Procedure Step Status.",
        discontinued_is_gone: "Discontinued, yes, but read the reason: the *wrong entry* was picked from the list. Nobody has examined "
        "this patient, who still waits.",
        discontinued_stays_started: "The step that was begun was a mistake, and its end says so. The item goes back to what it was.",
        last_word_counts: "The last report came after COMPLETED. A step that has ended can't be changed: the N-SET is refused with "
        "status 0110H (PS3.4 F.7.2.2), and changes nothing.",
        completed_stays: "COMPLETED takes the step off the list: it is done. What comes after it is refused with 0110H (PS3.4 F.7.2.2).",
        update_is_for_new_orders: "An A08 tells what holds of the patient now. Steps that are planned already follow: else the scanner "
        "would put the old name into today's images.",
    }
    hints = [
        "Take each order by itself, and go through what reached the worklist line by line: what is there before, what does this line do "
        "to it?",
        "For A40 ask which number is retired, MRG-1, and whether the order stands under it. For the others, the table of ORC-1 and the "
        "states above tell all.",
        "Two orders end with the same report of a wrong entry. Look at what came before it: is the performed step still open, or has it "
        "ended?",
    ]


# --- 8

@lesson.exercise
class EmptyLists:
    """Five scanners got an empty list this morning; their queries are in `asked`. Which **key** of each query is wrong? Give its keyword,
    such as `"PatientID"`, or `"none"` where the query is right and the list is rightly empty.

    Today is 7 April 2025. What the scanners are, and what is planned, stands above; ask the worklist as often as you like.
    """

    answer = Fields("blamed", {station: Key("", reading=key_name) for station in SCANNERS}, in_order=True,
                    remark=_about_key)
    points = 2
    praise = "Item against query, key by key: the only way that ends. And an empty list may simply be true."

    def solution(asked):
        modalities = {"CTER01": "CT", "CT2": "CT", "MR1": "MR", "US_OB1": "US", "DX_CH1": "DX"}
        found = {}
        for name in asked:
            in_step = asked[name]["ScheduledProcedureStepSequence"]
            found[name] = "none"
            if in_step["ScheduledStationAETitle"] != name:
                found[name] = "ScheduledStationAETitle"
            if in_step["Modality"] != modalities[name]:
                found[name] = "Modality"
            if in_step["ScheduledProcedureStepStartDate"] != "20250407":
                found[name] = "ScheduledProcedureStepStartDate"
            if asked[name]["PatientName"] != "":
                found[name] = "PatientName"                     # left over from a search, and without a *
        return found

    def always_the_title(asked):
        return dict.fromkeys(asked, "ScheduledStationAETitle")

    def always_the_date(asked):
        return dict.fromkeys(asked, "ScheduledProcedureStepStartDate")

    def nothing_planned(asked):
        return dict.fromkeys(asked, "none")

    def date_of_the_idle_one(asked, idle_scanner):
        return {**EmptyLists.solution(asked), idle_scanner: "ScheduledProcedureStepStartDate"}

    def empty_keys(asked):
        return dict.fromkeys(asked, "PatientID")

    wrong_ways = {
        always_the_title: "You blame the AE title. Compare it, letter by letter, with the scanner that asks and with the items that are "
        "planned for it: for this scanner they agree.",
        always_the_date: "You blame the day. Compare it with today: for this scanner they agree.",
        nothing_planned: "You say that nothing is planned. Ask the worklist with this scanner's title and the day alone: something is.",
        date_of_the_idle_one: "Without this key the scanner finds something, but that is planned for other days. The key says today, as it "
        "should, and today there is nothing.",
        empty_keys: "You blame a key that is empty. An empty key restricts nothing (PS3.4 C.2.2.2.3).",
    }
    hints = [
        "Compare each query with an item of the same scanner in the table. Only keys that are not empty can keep anything out.",
        "Take one key after the other out of the query and ask again: as soon as something comes, you have a suspect. Then judge whether "
        "what comes is really what the scanner should have got.",
        "Each of four queries has another key wrong: one names somebody else as the asker, one asks for another day, one uses a word "
        "that is no defined term of DICOM, and one searches for a person. The fifth is right.",
    ]


# --- 9

@lesson.exercise
class WhyItNeverCame:
    """Why did the order of Case 17 never reach the emergency CT? Fill in

    - `cause`: the letter from the table above;
    - `message`: MSH-10 of the message by which the RIS sent out the **order**, which proves that it was placed in time;
    - `frame`: the number of the frame in which the worklist's answer to the **worklist** association stands, which proves the cause;
    - `planned_for`: the AE title for which the step stood on the list: the second thing to be mended. With a worklist that heeds the
      keys, as ours does since Friday, it would keep the list of a scanner empty that asks by its own title.
    """

    answer = Fields("case", {"cause": Text("", reading=cause), "message": Text(""), "frame": Number("", named=("frame",)),
                             "planned_for": Text("", case=True)}, in_order=True, remark=_about_case)
    points = 3
    praise = ("Two tables had to learn the new title: who may call, and for whom is planned. Whoever mends only the first gets, from a "
              "worklist that heeds the keys, a connection, status 0000H, and an empty list.")

    def solution(night, night_item, night_capture):
        orders = night[night["message"] == "ORM^O01"]                           # the rows of the order
        pdus = night_capture.pdus
        refusals = pdus[pdus["pdu"] == "A-ASSOCIATE-RJ"]                        # what HV_MWL answered, twice
        step = night_item.ScheduledProcedureStepSequence[0]
        return {
            "cause": "d",
            "message": list(orders["MSH-10"])[0],
            "frame": list(refusals["frame"])[0],                                # the first was for the worklist
            "planned_for": step.ScheduledStationAETitle,
        }

    def never_sent(night, night_item, night_capture):
        return {**WhyItNeverCame.solution(night, night_item, night_capture), "cause": "a"}

    def mapping_lost_it(night, night_item, night_capture):
        return {**WhyItNeverCame.solution(night, night_item, night_capture), "cause": "b"}

    def keys_did_not_match(night, night_item, night_capture):
        return {**WhyItNeverCame.solution(night, night_item, night_capture), "cause": "c"}

    def the_network(night, night_item, night_capture):
        return {**WhyItNeverCame.solution(night, night_item, night_capture), "cause": "e"}

    def registration(night, night_item, night_capture):
        first = night[night["message"] == "ADT^A04"]["MSH-10"].iloc[0]
        return {**WhyItNeverCame.solution(night, night_item, night_capture), "message": first}

    def merge(night, night_item, night_capture):
        first = night[night["message"] == "ADT^A40"]["MSH-10"].iloc[0]
        return {**WhyItNeverCame.solution(night, night_item, night_capture), "message": first}

    def acknowledgement(night, night_item, night_capture):
        found = WhyItNeverCame.solution(night, night_item, night_capture)
        answers = night[night["acknowledges"].str.endswith(" " + found["message"])]
        return {**found, "message": answers["MSH-10"].iloc[0]}

    def the_request(night, night_item, night_capture):
        return {**WhyItNeverCame.solution(night, night_item, night_capture), "frame": night_capture.pdus["frame"].iloc[0]}

    def the_second_refusal(night, night_item, night_capture):
        return {**WhyItNeverCame.solution(night, night_item, night_capture), "frame": night_capture.pdus["frame"].iloc[-1]}

    def the_caller(night, night_item, night_capture):
        return {**WhyItNeverCame.solution(night, night_item, night_capture), "planned_for": night_capture.pdus["from"].iloc[0]}

    def the_worklist(night, night_item, night_capture):
        return {**WhyItNeverCame.solution(night, night_item, night_capture), "planned_for": "HV_MWL"}

    wrong_ways = {
        never_sent: "It did reach it: the item stood there at 01:30 UTC, six minutes before the scanner called. Look at the capture "
        "instead.",
        mapping_lost_it: "Look at the item: all that PS3.4 Table K.6-1 wants as type 1 is there. And how would the scanner know? Did it "
        "ever get to ask?",
        keys_did_not_match: "For that a C-FIND must have been sent. Look at the PDUs: which comes after the request for the association, "
        "and is there any P-DATA?",
        the_network: "The network brought the request there and the answer back. A refusal by the application is no fault of the wire.",
        registration: "That message registered the patient, as unknown. It orders nothing.",
        merge: "That is the merge of the morning, hours after the exam.",
        acknowledgement: "That is the acknowledgement's own MSH-10. It proves that somebody got the order, but the order bears another "
        "number: the one in MSA-2.",
        the_request: "In that frame the scanner asks for the association. Asked is the frame with the worklist's answer.",
        the_second_refusal: "That is the answer to the second association, minutes later. Look at its presentation context: it was for "
        "performed procedure steps, not for the worklist.",
        the_caller: "That is who called. Look into the item, in the step: for whom was it planned?",
        the_worklist: "That is the called title, the worklist's own. The step is planned for a scanner: look into the item.",
    }
    hints = [
        "Three artefacts, three proofs: `night` has the messages, `night_item` is the item as it stood on the list, `night_capture` has "
        "what passed on the wire.",
        "In `night_capture.pdus`, what does the worklist answer? In `night_capture.contexts`, `stream` tells which of the two "
        "associations was for the worklist.",
        "The message is the one whose type is that of an order. The title stands in the item, inside the step; compare it with the one "
        "that called.",
    ]
