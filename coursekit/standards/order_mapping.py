r"""How an HL7 order becomes items of the modality worklist: one item, a pydicom Dataset, for each scheduled procedure step.

=====================================  =============  ===================  ==============
DICOM                                  tag            ORM^O01 with ZDS     OMI^O23 with IPC
=====================================  =============  ===================  ==============
Patient ID, its issuer                 (0010,0020)    PID-3.1, PID-3.4     same
Patient's Name                         (0010,0010)    PID-5                same
Patient's Birth Date, Sex              (0010,0030)    PID-7, PID-8         same
Admission ID                           (0038,0010)    PV1-19, or PID-18    same
Current Patient Location               (0038,0300)    PV1-3                same
Referring Physician's Name             (0008,0090)    PV1-8                same
Pregnancy Status                       (0010,21C0)    PV1-15, B6 is 3      same
Placer, Filler Order Number            (0040,2016)    ORC-2, ORC-3         same
Accession Number                       (0008,0050)    OBR-18               IPC-1
Requested Procedure ID                 (0040,1001)    OBR-19               IPC-2
Study Instance UID                     (0020,000D)    ZDS-1                IPC-3
Scheduled Procedure Step ID            (0040,0009)    OBR-20               IPC-4
Modality                               (0008,0060)    OBR-24               IPC-5
Scheduled Protocol Code, Description   (0040,0008)    OBR-4.4 to 4.6       IPC-6
Scheduled Station AE Title             (0040,0001)    table of the site    IPC-9
Scheduled Station Name, Location       (0040,0010)    table of the site    IPC-7, IPC-8
Start Date and Time                    (0040,0002)    ORC-7.4, OBR-27.4    TQ1-7
Requested Procedure Priority           (0040,1003)    ORC-7.6, OBR-27.6    TQ1-9
Requested Procedure Code, Description  (0032,1064)    OBR-44, or OBR-4     same
Requesting Physician                   (0032,1032)    OBR-16, or ORC-12    same
Scheduled Performing Physician's Name  (0040,0006)    OBR-34.1             same
Reason for the Requested Procedure     (0040,1002)    OBR-31.2, or .1      same
Patient Transport Arrangements         (0040,1004)    OBR-30               same
Patient State, Medical Alerts          (0038,0500)    OBR-12, OBR-13       same
=====================================  =============  ===================  ==============

Sources: IHE RAD TF-2 4.4.4.1 (RAD-4) and TF-2x Appendix B (mapping; priorities; B6); DICOM PS3.4 Table K.6-1 (types), PS3.5 6.2 (what a
value may hold) and 6.2.1 (names); HL7 v2.5.1 chapter 2A (XPN, XCN, CX) and tables 0001, 0027, 0203, 0465.
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from typing import NamedTuple

from coursekit.standards import hl7
from coursekit.standards.hl7 import NULL, Refusal

PRIORITIES = {"S": "STAT", "A": "HIGH", "P": "HIGH", "C": "HIGH", "R": "ROUTINE", "T": "MEDIUM"}        # table 0027, RAD TF-2x Appendix B
SEXES = {"F": "F", "M": "M", "O": "O", "A": "O"}         # table 0001; ambiguous is O; unknown, and not applicable, are empty (type 2)
UNIVERSAL = ("DNS", "EUI64", "ISO", "URI", "UUID", "X400", "X500")       # Universal Entity ID Type (PS3.3 Table 10-17)
PREGNANT, UNKNOWN = 3, 4                                 # Pregnancy Status (PS3.3 C.2.1.3)
SH, LO, PN = 16, 64, 64                                  # the longest values, in characters (PS3.5 6.2); PN: of one component group
# What a value of a VR may be (PS3.5 6.2), and how that is said.
_VALUES = {"SH": (16, r"[^\\]*", "no backslash"), "LO": (64, r"[^\\]*", "no backslash"),
           "AE": (16, r"[ -\[\]-~]*", "ASCII characters without backslash"),
           "CS": (16, "[A-Z0-9 _]*", "capitals, digits, blanks and underscores")}
_UID = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*", re.ASCII)             # PS3.5 9.1
_TIME = re.compile(r"([0-9]{8})([0-9]{4}(?:[0-9]{2})?)(?:\.[0-9]{1,4})?([+-][0-9]{4})?", re.ASCII)


class Station(NamedTuple):
    """A station that steps are planned for: AE title, name, and where it stands."""

    title: str
    name: str = ""
    location: str = ""


@dataclass(frozen=True)
class Site:
    """What one site has agreed on, and another in another way.

    accession : where the accession number stands, such as "OBR-18", "OBR-3.1" or "IPC-1"; None: IPC-1 of an order with IPC, else OBR-18
    authority : which assigning authority's number in PID-3 counts, by its name or its OID (CX.4.1 or CX.4.2); None: the first number of
                the type MR (CX.5), or the first at all
    resource  : where an order without IPC-9 says what the step needs: a place, such as "OBR-24", "OBR-4.1" or "ORC-18.1"
    stations  : which station that means, {resource: Station}; a resource that it lacks is refused. None: the resource is an AE title
    charset   : what the sender really writes, as MSH-18 would name it ("8859/1", "UNICODE UTF-8"); None: what MSH-18 says
    zone      : the clock on the site's walls, a ``datetime.tzinfo``: a start that names its zone is converted to it. None: the senders
                write the site's clock, and what they say of the zone is left out
    """

    accession: str | None = None
    authority: str | None = None
    resource: str = "OBR-24"
    stations: dict | None = None
    charset: str | None = None
    zone: tzinfo | None = None


def order_to_items(message, site=Site()):
    """The worklist items of an order: a list of pydicom Datasets, one for each IPC segment, or for each OBR that has none.

    message : ORM^O01 or OMI^O23, a ``hl7.Message``, bytes or text

    All type 1 attributes of PS3.4 Table K.6-1 have a value, those of type 2 are there. Raises ``hl7.Refusal`` (AE) with a sentence and
    the place when the message lacks one, or holds a value that DICOM has no room for; ``hl7.BadMessage`` when it's none.
    """
    message = as_sent(message, site)
    return [_item(step, site) for step in _steps(message)]


def as_sent(message, site=Site()):
    """The ``hl7.Message``, read in the character set that the `site` says its sender really writes."""
    message = hl7.parse(message) if not isinstance(message, hl7.Message) else message
    if site.charset is None or message.received is None:
        return message
    return hl7.parse(message.received.decode(hl7.CHARSETS[site.charset], "replace"))


def single_steps(message):
    """The order as messages of one scheduled procedure step each: a list of ``hl7.Message``.

    Each has the step's own ORC, TQ1, OBR, IPC and ZDS; an OBR with several IPC segments makes as many messages. MSH, PID and PV1 stand in
    each, segments of other names are left out. Raises ``hl7.Refusal`` (AE) when PID, ORC or OBR is missing, ``hl7.BadMessage`` when it's
    no message.
    """
    message = hl7.parse(message)
    return [hl7.Message([message.segments()[0], *step.segments()]).copy() for step in _steps(message)]


class Step:
    """The segments of one scheduled procedure step, by name: those of its order, and those of the whole message."""

    def __init__(self, segments):
        self._segments = segments               # {name: (Segment, which of its name it is)}

    def __contains__(self, name):
        return name in self._segments

    def segments(self):
        """A list of its segments, as they follow each other in an order."""
        return [self._segments[name][0] for name in ("PID", "PV1", "ORC", "TQ1", "OBR", "IPC", "ZDS") if name in self._segments]

    def sent(self, place):
        """What was sent at a place such as "OBR-4.1", escapes and all; "" if nothing was."""
        name, _, where = place.partition("-")
        return self._segments[name][0][where] if name in self._segments else ""

    def raw(self, place):
        """As ``sent``, but a value to be deleted is "" too."""
        text = self.sent(place)
        return "" if text == NULL else text

    def text(self, *places):
        """What stands at the first of some places that holds anything, unescaped."""
        found = next((text for place in places if (text := self.raw(place).strip())), "")
        return hl7.unescape(found)

    def where(self, place):
        """The place as ERR-2 has it."""
        name, _, field = place.partition("-")
        number = self._segments[name][1] if name in self._segments else 1
        return f"{name}^{number}^{re.match('[0-9]+', field)[0]}"


def _steps(message):
    common, order, numbers, found = {}, {}, Counter(), []
    for segment in message.segments():
        name = segment.name
        numbers[name] += 1
        here = (segment, numbers[name])
        if name in ("PID", "PV1"):
            common.setdefault(name, here)
        elif name == "ORC":
            order = {"ORC": here}
        elif name == "TQ1":
            order.setdefault("TQ1", here)
        elif name == "OBR":
            found.append({**order, "OBR": here})
        elif name == "IPC" and found:
            if "IPC" in found[-1]:
                found.append({**found[-1], "IPC": here})
            else:
                found[-1]["IPC"] = here
        elif name == "ZDS":
            for step in found:                  # it stands at the end of the orders that it is about
                step.setdefault("ZDS", here)
    for name in ("PID", "ORC", "OBR"):
        if not numbers[name]:
            raise Refusal("AE", f"The order has no {name} segment.", "100", f"{name}^1")
    return [Step({**common, **step}) for step in found]


def _item(step, site):
    from pydicom.dataset import Dataset

    item = Dataset()
    item.SpecificCharacterSet = "ISO_IR 192"
    item.update(_patient(step, site))
    for keyword in ("PatientName", "PatientBirthDate", "PatientSex"):
        if keyword not in item:
            setattr(item, keyword, "")
    if not item.PatientName:
        raise Refusal("AE", "PID-5 has no name: Patient's Name is required of every item (PS3.4 Table K.6-1).", "101", step.where("PID-5"))

    item.AdmissionID = _cut(step.text("PV1-19.1", "PID-18.1"), LO)
    item.CurrentPatientLocation = location(step)
    item.ReferringPhysicianName = _physician(step.raw("PV1-8[1]"))
    item.PregnancyStatus = PREGNANT if "B6" in step.raw("PV1-15").split("~") else UNKNOWN
    item.PatientState = _cut(step.text("OBR-12.2", "OBR-12.1"), LO)
    item.MedicalAlerts = _cut(step.text("OBR-13"), LO)

    planned = "IPC" in step
    item.AccessionNumber = _identifier(step, site.accession or ("IPC-1" if planned else "OBR-18"), "Accession Number", "SH")
    item.StudyInstanceUID = _uid(step, "IPC-3" if planned else "ZDS-1")
    item.RequestedProcedureID = _identifier(step, "IPC-2" if planned else "OBR-19", "Requested Procedure ID", "SH")
    item.PlacerOrderNumberImagingServiceRequest = _cut(step.text("ORC-2.1", "OBR-2.1"), LO)
    item.FillerOrderNumberImagingServiceRequest = _cut(step.text("ORC-3.1", "OBR-3.1"), LO)
    item.RequestingPhysician = _physician(step.raw("OBR-16[1]") or step.raw("ORC-12[1]"))
    requested = [code for code in (_code(step.raw("OBR-44[1]"), step, "OBR-44"), _code(step.raw("OBR-4[1]"), step, "OBR-4")) if code]
    if not requested:
        raise Refusal("AE", "Neither OBR-44 nor OBR-4 says what is requested.", "101", step.where("OBR-4"))
    item.RequestedProcedureDescription = _cut(requested[0].CodeMeaning, LO)
    item.RequestedProcedureCodeSequence = requested[:1]
    item.RequestedProcedurePriority = PRIORITIES.get(step.text("TQ1-9.1", "ORC-7.6", "OBR-27.6"), "")
    item.ReasonForTheRequestedProcedure = _cut(step.text("OBR-31.2", "OBR-31.1"), LO)
    item.PatientTransportArrangements = _cut(step.text("OBR-30"), LO)

    scheduled = Dataset()
    scheduled.Modality = _identifier(step, "IPC-5" if planned else "OBR-24", "Modality", "CS")
    station = _station(step, site)
    scheduled.ScheduledStationAETitle, scheduled.ScheduledStationName = station.title, _cut(station.name, SH)
    scheduled.ScheduledProcedureStepLocation = _cut(station.location, SH)
    scheduled.ScheduledProcedureStepStartDate, scheduled.ScheduledProcedureStepStartTime = _start(step, site)
    scheduled.ScheduledPerformingPhysicianName = _physician(step.raw("OBR-34[1].1").replace("&", "^"))
    protocols = [code for text in step.raw("IPC-6").split("~") if (code := _code(text, step, "IPC-6"))]
    if not protocols:
        code = _code("^".join(step.raw("OBR-4[1]").split("^")[3:]), step, "OBR-4")
        protocols = [code] if code else requested[:1]
    scheduled.ScheduledProcedureStepDescription = _cut(protocols[0].CodeMeaning, LO)
    scheduled.ScheduledProcedureStepID = _identifier(step, "IPC-4" if planned else "OBR-20", "Scheduled Procedure Step ID", "SH")
    scheduled.ScheduledProcedureStepStatus = "SCHEDULED"
    scheduled.ScheduledProtocolCodeSequence = protocols
    item.ScheduledProcedureStepSequence = [scheduled]
    return item


# Patients

def patient_attributes(message, site=Site()):
    """What the PID of a message says of a patient: a Dataset of (0010,0020), (0010,0021), (0010,0024), and of name, birth date and sex.

    What the message does not send is not in it; what it sends as ``""``, to be deleted, is empty (HL7 v2.5.1 2.5.3). Raises
    ``hl7.Refusal`` when PID-3 has no number that counts.
    """
    message = as_sent(message, site)
    if "PID" not in message:
        raise Refusal("AE", "The message has no PID segment.", "100", "PID^1")
    return _patient(Step({"PID": (message.segment("PID"), 1)}), site)


def prior_identifier(message, site=Site()):
    """The number that a merge retires, MRG-1: (issuer, number). Raises ``hl7.Refusal`` when there is none that counts."""
    message = as_sent(message, site)
    if "MRG" not in message:
        raise Refusal("AE", "The merge has no MRG segment.", "100", "MRG^1")
    number = _chosen(Step({"MRG": (message.segment("MRG"), 1)}), "MRG-1", site)
    return number.issuer, number.number


def location(step):
    """Current Patient Location of PV1-3: its point of care; room and bed if there are."""
    parts = [step.text(f"PV1-3.{number}") for number in (1, 2, 3)]
    return _cut(" ".join(part for part in parts if part), LO)


def visit(message, site=Site()):
    """Whose visit a message is about, and where the patient is: (Admission ID, Current Patient Location), each "" if not said."""
    message = as_sent(message, site)
    step = Step({name: (message.segment(name), 1) for name in ("PID", "PV1") if name in message})
    return _cut(step.text("PV1-19.1", "PID-18.1"), LO), location(step)


class Number(NamedTuple):
    """A CX: a number, and who assigned it, by name and by OID."""

    number: str
    issuer: str
    universal: str
    universal_type: str
    kind: str


def _chosen(step, field, site):
    """The identifier that counts among the repetitions of a field of CX: a ``Number``."""
    numbers = []
    for repetition in step.raw(field).split("~"):
        parts = [hl7.unescape(part) for part in (repetition.split("^") + [""] * 5)[:5]]
        authority = [hl7.unescape(part) for part in ((repetition.split("^") + [""] * 4)[3].split("&") + ["", ""])[:3]]
        if parts[0].strip() and parts[0] != NULL:
            numbers.append(Number(parts[0].strip(), *authority, parts[4]))
    if site.authority is not None:
        numbers = [number for number in numbers if site.authority in (number.issuer, number.universal)]
    if not numbers:
        of = f" of {site.authority}" if site.authority is not None else ""
        raise Refusal("AE", f"{field} has no number{of}.", "204" if step.raw(field) else "101", step.where(field))
    chosen = next((number for number in numbers if number.kind == "MR"), numbers[0])
    _proper(chosen.number, "Patient ID", "LO", step.where(field))
    return chosen


def _patient(step, site):
    from pydicom.dataset import Dataset

    patient, number = Dataset(), _chosen(step, "PID-3", site)
    patient.PatientID = number.number
    if number.issuer:
        patient.IssuerOfPatientID = _cut(number.issuer, LO)
    if number.universal and number.universal_type.upper() in UNIVERSAL:
        qualifier = Dataset()
        qualifier.UniversalEntityID, qualifier.UniversalEntityIDType = _sound(number.universal), number.universal_type.upper()
        patient.IssuerOfPatientIDQualifiersSequence = [qualifier]
    for place, keyword, reading in (("PID-5", "PatientName", person_name), ("PID-7", "PatientBirthDate", birth_date),
                                    ("PID-8", "PatientSex", sex)):
        sent = step.sent(place)
        if sent:
            setattr(patient, keyword, "" if sent == NULL else reading(sent))
    return patient


def birth_date(text):
    """A DICOM date of an HL7 one. One that is not known to the day is "": a DA is always a whole date (PS3.5 6.2), and the first of
    January would be an invention."""
    try:
        return datetime.strptime(text.split("^")[0][:8], "%Y%m%d").strftime("%Y%m%d") if len(text) >= 8 else ""
    except ValueError:
        return ""


def sex(text):
    """Patient's Sex, F, M, O or "", of a code of table 0001."""
    return SEXES.get(text.split("^")[0].strip().upper(), "")


def person_name(text):
    """A DICOM PN of an XPN with its repetitions: the legal name, with the ideographic and phonetic groups if they are sent (XPN.8).

    Prefix and suffix change places: HL7 has family^given^middle^suffix^prefix^degree, DICOM family^given^middle^prefix^suffix.
    """
    names = [(repetition.split("^") + [""] * 8)[:8] for repetition in text.split("~") if repetition.strip("^")]
    if not names:
        return ""
    groups = [next((name for name in names if name[7] in ("", "A") and name[6] in ("", "L")), names[0])]
    groups += [next((name for name in names if name[7] == code), None) for code in "IP"]
    return "=".join(_group(name) if name else "" for name in groups).rstrip("=")


def _group(parts):
    """A component group of a PN, of the first six components of an XPN. The first of them may have subcomponents (FN: the surname).

    What an escape would bring in of DICOM's own separators is a space; ``""``, to be deleted, is nothing.
    """
    said = [part.split("&")[0] for part in parts[:6]]
    family, given, middle, suffix, prefix, degree = (_sound("" if one == NULL else hl7.unescape(one), "^=\\") for one in said)
    return "^".join((family, given, middle, prefix, f"{suffix} {degree}".strip())).rstrip("^")[:PN]


def _physician(text):
    """A DICOM PN of an XCN, which is an XPN after a number."""
    parts = (text.split("^") + [""] * 7)[1:7]
    return _group(parts)


# Values

def _sound(text, without="\\"):
    """A text without what DICOM can't hold in it: control characters, and the backslash, which would make it two values (PS3.5 6.2)."""
    return "".join(" " if not character.isprintable() or character in without else character for character in text).strip()


def _cut(text, length):
    """A text that says something to people, cut to the length of its VR."""
    return _sound(text)[:length].strip()


def _proper(text, what, vr, where):
    """Refuse an identifier that is no value of its VR: cut or changed, it would be another."""
    length, pattern, allowed = _VALUES[vr]
    if len(text) > length:
        raise Refusal("AE", f"{what} {text!r} has {len(text)} characters: {vr} holds {length} (PS3.5 section 6.2).", "102", where)
    if not text.isprintable() or not re.fullmatch(pattern, text):
        raise Refusal("AE", f"{what} {text!r} can't be: {vr} has {allowed}, and no control characters (PS3.5 section 6.2).", "102", where)


def _identifier(step, place, what, vr):
    text = step.text(place if "." in place else place + ".1")
    if not text:
        raise Refusal("AE", f"{place} is empty: no {what}.", "101", step.where(place))
    _proper(text, what, vr, step.where(place))
    return text


def _uid(step, place):
    uid = step.text(place + ".1")
    if not uid:
        raise Refusal("AE", f"{place} is empty: no Study Instance UID.", "101", step.where(place))
    if len(uid) > 64 or not _UID.fullmatch(uid):
        raise Refusal("AE", f"{place} {uid[:70]!r} is no UID (PS3.5 section 9.1).", "102", step.where(place))
    return uid


def _code(text, step, place):
    """An item of a code sequence, of a CE: code^meaning^scheme; None if there is no code. The meaning is the code where it is missing."""
    from pydicom.dataset import Dataset

    value, meaning, scheme = ("" if part == NULL else hl7.unescape(part).strip() for part in (text.split("^") + ["", ""])[:3])
    if not value:
        return None
    for one in (value, scheme):
        _proper(one, "Code", "SH", step.where(place))
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme or "L", _cut(meaning or value, LO)
    return code


def _station(step, site):
    title = step.text("IPC-9.1")
    if title:
        station = Station(title, step.text("IPC-7.1"), step.text("IPC-8.2", "IPC-8.1"))
    else:
        place = site.resource if "." in site.resource else site.resource + ".1"
        resource = step.text(place)
        if not resource:
            raise Refusal("AE", f"{site.resource} is empty: no station can be planned.", "101", step.where(place))
        if site.stations is None:
            station = Station(resource)
        elif resource in site.stations:
            station = Station(*site.stations[resource])
        else:
            raise Refusal("AE", f"The site's table has no station for {site.resource} {resource!r}.", "103", step.where(place))
    _proper(station.title, "Scheduled Station AE Title", "AE", step.where("IPC-9" if title else site.resource))
    return station if station.name else station._replace(name=station.title)


def _start(step, site):
    """Start Date and Time of the step, on the site's clock."""
    places = [place for place in ("TQ1-7.1", "ORC-7.4", "OBR-27.4") if step.text(place)]
    if not places:
        raise Refusal("AE", "Nothing says when the step is to begin.", "101", step.where("TQ1-7" if "TQ1" in step else "ORC-7"))
    text = step.text(places[0])
    found = _TIME.fullmatch(text)
    try:
        start = datetime.strptime(found[1] + found[2].ljust(6, "0"), "%Y%m%d%H%M%S")
        if found[3] and site.zone is not None:
            ahead = timedelta(hours=int(found[3][1:3]), minutes=int(found[3][3:]))
            start = start.replace(tzinfo=timezone(-ahead if found[3][0] == "-" else ahead)).astimezone(site.zone)
    except (TypeError, ValueError, OverflowError):
        raise Refusal("AE", f"{places[0]} {text[:30]!r} is no date with a time, which both are required of every item "
                      "(PS3.4 Table K.6-1).", "102", step.where(places[0])) from None
    return f"{start:%Y%m%d}", f"{start:%H%M%S}"
