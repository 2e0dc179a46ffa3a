r"""The hospital's HL7 v2 feed: what HIS, RIS, clinic, cardiology and speech recognition sent through the engine HV_ENGINE.

Every message goes to HV_ENGINE, which acknowledges it (original mode, HL7 v2.5.1 2.9.2) and passes it on:

====================  =======  =========================================  ==================
sender                version  messages                                   HV_ENGINE sends to
====================  =======  =========================================  ==================
HIS                   2.5.1    ADT A01-A08 A11-A13 A28 A31 A40            HV_PACS, RIS
RIS                   2.3.1    ORM O01 with ZDS (IHE RAD-4, RAD-13)       HV_PACS
RIS                   2.5.1    SIU S12 S13 S14 S15                        EMR
ECC_RIS (clinic)      2.5.1    OMI O23 with TQ1 and IPC; ADT A34 A40      HV_PACS, as ORM
CARD (cardiology)     2.3      ORM O01; ORU R01 with PDF                  HV_PACS; EMR
VOX (speech)          2.5.1    ORU R01                                    EMR
====================  =======  =========================================  ==================

A message passed on keeps MSH-7 and MSH-10. Each night the HIS writes the day's ADT into a file for the regional patient
index (``batches``). Sources: HL7 v2.3.1 and v2.5.1 chapters 2, 3, 4, 7, 10; IHE RAD TF-2 4.1 (RAD-1), 4.4 (RAD-4), 4.12
(RAD-12), 4.13 (RAD-13); IHE ITI TF-2 3.30, 3.31 and Appendix C.
"""

from bisect import bisect_right
from functools import cached_property
from typing import NamedTuple

from coursekit.hospital import clock, story
from coursekit.hospital.clock import DAY, NOW_UTC
from coursekit.hospital.draws import Draws
from coursekit.hospital.feed_quirks import wrong_charset
from coursekit.hospital.flow import (
    LONGEST_PREADMISSION,
    Stage,
    ahead,
    digits,
    flow,
    local_digits,
    locked_out,
    seconds_of,
    span,
)
from coursekit.hospital.incidents import Evidence
from coursekit.hospital.worklist import referrer, station_location
from coursekit.standards import hl7
from coursekit.standards.hl7 import CHARSETS
from coursekit.standards.hl7 import escape as escaped

ENGINE = "HV_ENGINE"
FACILITY = {"ECC_RIS": "ECC"}
HL7_PRIORITY = {"STAT": "S", "URGENT": "A", "ROUTINE": "R"}            # table 0027; 2.3.1 TQ.6, 2.5.1 TQ1-9
ORDERS_2_3_1 = "ORM^O01"


class Message(NamedTuple):
    """A message as it crossed a connection.

    at_utc     : 'YYYY-MM-DD HH:MM:SS'
    sender     : application that opened the connection and sent it (for acknowledgements: that answered)
    receiver   : application that received it
    control_id : MSH-10
    event      : MSH-9.1 and 9.2, such as 'ADT^A04'; 'ACK' for acknowledgements
    bytes      : the message without the MLLP frame
    quirks     : names in ``feed_quirks.QUIRKS``; empty for a clean message
    """

    at_utc: str
    sender: str
    receiver: str
    control_id: str
    event: str
    bytes: bytes
    quirks: tuple

    @property
    def text(self):
        """The message as text in the character set that MSH-18 names (none: Latin-1), wrong bytes replaced."""
        return self.bytes.decode(hl7.codec(self.bytes), "replace")


def xpn(name, kind=""):
    """A DICOM PN as HL7 XPN: prefix and suffix change places (PS3.5 6.2.1; HL7 v2.5.1 chapter 2A, XPN)."""
    parts = (name.split("^") + [""] * 5)[:5]
    return "^".join([escaped(part) for part in parts[:3]] + [escaped(parts[4]), escaped(parts[3]), "", kind]).rstrip("^")


def xcn(doctor):
    number, name = doctor
    return f"{number}^{xpn(name)}"


LANGUAGE = "|" * 7 + "nl^Dutch^ISO639"                               # PID-15, after PID-8


class Sheet:
    """What a sender's messages have in common."""

    def __init__(self, version, charset, zone=True, quirks=()):
        self.version, self.charset, self.zone, self.quirks = version, charset, zone, quirks


SHEETS = {
    "HIS": Sheet("2.5.1", "UNICODE UTF-8"),
    "RIS": Sheet("2.3.1", "8859/1"),
    "ECC_RIS": Sheet("2.5.1", "UNICODE UTF-8", zone=False, quirks=("no time zone", "PID-3 other first")),
    "CARD": Sheet("2.3", "", zone=False, quirks=("LF", "MSH-2 permuted", "no time zone")),
    "VOX": Sheet("2.5.1", "UNICODE UTF-8", zone=False, quirks=("no time zone", "no final CR")),
}
# MSH-9.3 as HL7 v2.5.1 chapters 3, 4, 7 and 10 name it for each event.
STRUCTURE = {"A01": "ADT_A01", "A02": "ADT_A02", "A03": "ADT_A03", "A04": "ADT_A01", "A05": "ADT_A05", "A06": "ADT_A06",
             "A07": "ADT_A06", "A08": "ADT_A01", "A11": "ADT_A09", "A12": "ADT_A12", "A13": "ADT_A01", "A28": "ADT_A05",
             "A31": "ADT_A05", "A34": "ADT_A30", "A40": "ADT_A39", "O23": "OMI_O23", "S12": "SIU_S12", "S13": "SIU_S12",
             "S14": "SIU_S12", "S15": "SIU_S12", "R01": "ORU_R01"}


def msh(sender, receiver, at, event, control_id, version, charset, zone=True):
    kind, trigger = event.split("^")
    structure = f"^{STRUCTURE[trigger]}" if version == "2.5.1" or trigger == "A34" else ""
    return (f"MSH|^~\\&|{sender}|{FACILITY.get(sender, 'HVGH')}|{receiver}|HVGH|{local_digits(at, zone)}||{kind}^{trigger}"
            f"{structure}|{control_id}|P|{version}||||||{charset}")


def authority(f, issuer):
    return f"{issuer}&{f.issuers[issuer]}&ISO"


class Writer:
    """Writes the messages of one hospital; `out` collects (seconds, place, sender, receiver, control ID, event, ...)."""

    def __init__(self, h, since, until):
        self.h, self.since, self.until = h, since, until
        self.flow = flow(h, *span())
        self.out = []
        self.people = {}
        self.planted = {}
        for incident in h.incidents:
            kind = incident.id.rsplit("-", 1)[0]
            for key in ("order_pk", "visit_pk"):
                if key in incident.facts and (kind.startswith("E1") or kind in ("A1-12", "A1-13")):
                    self.planted.setdefault((key, incident.facts[key]), {})[kind] = incident.facts
        self.merge_faults = [(incident.id[:5], incident.facts) for incident in h.incidents
                             if incident.id[:5] in ("E1-03", "E1-04")]
        self.tests = [incident.facts for incident in h.incidents if incident.id.startswith("E1-13")]
        self.unended = unended(h)
        # Records that exist in the archive alone, made where somebody typed.
        self.typed = set(h.truth["typed_for"]) | {self.flow.case["typed_patient_pk"], self.flow.case["temporary_patient_pk"]}

    # Segments

    def pid(self, patient, rest="", representations=False):
        """PID up to PID-8, and `rest`."""
        key = (patient.pk, representations)
        if key not in self.people:
            groups = patient.name.split("=")
            name = xpn(groups[0])
            if representations and len(groups) > 1:
                name = "~".join(xpn(group, "L") + "^" + code for group, code in zip(groups, "AIP") if group)
            birth = (patient.birth_date or "").replace("-", "")
            self.people[key] = (f"PID|1||{patient.pid}^^^{authority(self.flow, patient.issuer)}^MR||{name}||{birth}|"
                                f"{patient.sex or 'U'}")
        return self.people[key] + rest

    def pv1(self, visit, at):
        """PV1 of orders and reports about a visit: where the patient is at the instant `at`."""
        if visit is None:
            return "PV1|1|O|"
        kind, place = self.flow.standing(visit, at)
        return f"PV1|1|{kind}|{escaped(place)}^^^HVGH" + "|" * 16 + self.visit_number(visit.number)

    def visit_number(self, number):
        return f"{number}^^^{authority(self.flow, 'HVGH')}^VN"

    def movement(self, number, stage):
        """PV1 of ADT: place (PV1-3), place before (PV1-6), visit number (PV1-19), begin and end (PV1-44, 45)."""
        prior = f"{escaped(stage.prior)}^^^HVGH" if stage.prior else ""
        times = [local_digits(at) for at in (stage.admitted, stage.at if stage.trigger == "A03" else None) if at]
        pv1 = f"PV1|1|{stage.kind}|{escaped(stage.place)}^^^HVGH|||{prior}" + "|" * 13 + self.visit_number(number)
        return pv1 + "|" * 25 * bool(times) + "|".join(times)

    # Sending

    def put(self, at, sender, receiver, control_id, event, data, quirks=()):
        if self.since <= at < self.until:
            self.out.append((at, len(self.out), sender, receiver, control_id, event, data, quirks))

    def acknowledge(self, at, sender, receiver, control_id, event, version, code="AA", error=None, text=""):
        """The answer of `sender` to `receiver`; `error` is (ERR-2, code of table 0357, its meaning)."""
        trigger = event.split("^")[1]
        kind = f"ACK^{trigger}" if version == "2.3" else f"ACK^{trigger}^ACK"
        own = "K" + control_id[-18:]
        owner = FACILITY.get(receiver, "HVGH")
        lines = [f"MSH|^~\\&|{sender}|HVGH|{receiver}|{owner}|{local_digits(at)}||{kind}|{own}|P|{version}",
                 f"MSA|{code}|{control_id}" + (f"|{text}" if text else "")]
        quirks = ("AR with text only",) if code == "AR" and error is None else ()
        if error:
            place, number, meaning = error
            if version == "2.5.1":
                lines.append(f"ERR||{place}|{number}^{meaning}^HL70357|E")
            else:                                      # ERR-1 of v2.3.1: segment^sequence^field^code&text&table
                where = place.split("^")
                lines.append(f"ERR|{where[0]}^{where[1]}^{where[2] if len(where) > 2 else ''}^{number}&{meaning}&HL70357")
        self.put(at, sender, receiver, own, "ACK", ("\r".join(lines) + "\r").encode("latin-1"), quirks)

    def send(self, at, sender, event, control_id, lines, quirks=None, change=None, answer=("AA", None, "")):
        """One message from `sender` to the engine, and the engine's answer."""
        sheet = SHEETS[sender]
        version = "2.5.1" if event.startswith("SIU") else sheet.version
        charset = sheet.charset
        text = "\r".join([msh(sender, ENGINE, at, event, control_id, version, charset, sheet.zone), *lines]) + "\r"
        names = sheet.quirks if quirks is None else sheet.quirks + quirks
        data = text.encode(CHARSETS[charset], "replace")
        if sender == "CARD":
            data = as_cardiology(data)
            if not data.isascii():
                names += ("charset undeclared",)
        if "no final CR" in sheet.quirks:
            data = data[:-1]
        if change:
            data = change(data)
        self.put(at, sender, ENGINE, control_id, event, data, names)
        code, error, reason = answer
        self.acknowledge(at + 1, ENGINE, sender, control_id, event, version, code, error, reason)

    def forward(self, at, receiver, event, control_id, lines, made, version="2.5.1", charset="UNICODE UTF-8", quirks=(),
                answer=("AA", None, ""), change=None):
        """The engine passes a message on that was `made` at that instant, and the receiver answers."""
        text = "\r".join([msh(ENGINE, receiver, made, event, control_id, version, charset), *lines]) + "\r"
        data = text.encode(CHARSETS[charset], "replace")
        self.put(at, ENGINE, receiver, control_id, event, change(data) if change else data, quirks)
        code, error, reason = answer
        self.acknowledge(at + 1, receiver, ENGINE, control_id, event, version, code, error, reason)

    # ADT

    def admissions(self):
        f, case = self.flow, self.flow.case
        his_own = case_visit(f, case)
        for visit in f.visits.values():
            if visit.admitted - LONGEST_PREADMISSION >= self.until or (visit.discharged or NOW_UTC) < self.since - DAY:
                continue
            if f.patient(visit.patient_pk, visit.admitted).issuer != "HVGH":
                continue
            told = {}
            for stage in f.course(visit):
                told[stage.trigger] = times = told.get(stage.trigger, 0) + 1
                control_id = f"H{visit.pk}{stage.trigger}" + (f"N{times}" if times > 1 else "")
                self.stage(stage, control_id, self.holder(visit, stage.at), visit.number)
            faults = self.planted.get(("visit_pk", visit.pk), {})
            if visit.pk == his_own or faults:
                self.flood(visit, faults.get("E1-11"))
                continue
            chance = visit.chance
            if chance // 11 % 10 < 3:
                self.update(visit, visit.admitted + 600 + chance // 13 % 1800, f"H{visit.pk}A08")
            if visit.kind != "I" and chance // 79 % 50 == 0:
                self.mistaken(visit)

    def holder(self, visit, at):
        """Whose visit it is at the instant `at`: merges followed, that of Case 17 too, which the archive refused."""
        f, case = self.flow, self.flow.case
        if visit.patient_pk == case["temporary_patient_pk"] and at > story.MERGE_REFUSED:
            return f.patients[case["patient_pk"]]
        return f.patient(visit.patient_pk, at)

    def stage(self, stage, control_id, patient, number):
        """ADT of one event in the course of a visit."""
        lines = [self.movement(number, stage)]
        if stage.expected:
            lines.append("PV2" + "|" * 8 + local_digits(stage.expected))
        self.adt(stage.at, stage.trigger, control_id, patient, lines, undoes=stage.undoes)

    def update(self, visit, at, control_id, quirks=()):
        kind, place = self.flow.standing(visit, at)
        stage = Stage("A08", at, kind, place, None, visit.admitted)
        self.adt(at, "A08", control_id, self.holder(visit, at), [self.movement(visit.number, stage)], LANGUAGE, quirks)

    def flood(self, visit, facts):
        if facts:
            begins = clock.seconds(facts["flood_utc"])
            for number in range(facts["messages"]):
                self.update(visit, begins + number, f"H{visit.pk}A08F{number}", ("A08 flood",))

    def mistaken(self, visit):
        """The desk took the next patient of the list for this one, and cancels that registration at once.

        Such a visit has a number that the archive's table does not have: as if it had never been.
        """
        at = visit.admitted - 150 - visit.chance // 83 % 300
        own = self.holder(visit, visit.admitted)
        start = bisect_right(self.by_name, (own.name, own.pk))
        other = next((patient for _, _, patient in self.by_name[start:start + 20]
                      if patient.created < at and patient.sex == own.sex), None)
        if other is None:
            return
        number, key = f"V{10_000_000 + visit.pk}", f"H{10_000_000 + visit.pk}"
        wrong = Stage("A04", at, visit.kind, visit.location, None, at)
        self.stage(wrong, key + "A04", other, number)
        undone = at + 60 + visit.chance // 89 % 80
        self.stage(wrong._replace(trigger="A11", at=undone, undoes=at), key + "A11", other, number)

    @cached_property
    def by_name(self):
        """The patients whom the desk may find, in the order of its list: (name, pk, patient)."""
        return sorted((patient.name, patient.pk, patient) for patient in self.flow.patients.values()
                      if self.registered(patient) and patient.merged_into is None and patient.pk != self.flow.case["patient_pk"])

    def registered(self, patient):
        """Whether the HIS has a record of its own for a patient of the archive's."""
        return patient.issuer == "HVGH" and patient.pk not in self.typed and not patient.pid.startswith("HVTMP")

    def adt(self, at, trigger, control_id, patient, visit, rest="", quirks=(), undoes=None):
        """ADT with PV1 and what follows it in `visit`; EVN-6 of a cancellation says when what it `undoes` happened."""
        event = f"EVN||{local_digits(at)}" + (f"||||{local_digits(undoes)}" if undoes else "")
        self.fan_out(at, f"ADT^{trigger}", control_id, [event, self.pid(patient, rest, True), *visit], quirks)

    def fan_out(self, at, event, control_id, lines, quirks=()):
        if at >= self.until or at < self.since:
            return
        self.send(at, "HIS", event, control_id, lines, quirks)
        for receiver in ("HV_PACS", "RIS"):
            self.forward(at + 1, receiver, event, control_id, lines, at, quirks=quirks)

    def registrations(self):
        """A28 for new persons, A31 for some of them a day later, A40 for merges."""
        f = self.flow
        for patient in f.patients.values():
            if self.registered(patient):
                if self.since <= patient.created < self.until:
                    self.adt(patient.created, "A28", f"H{patient.pk}A28", patient, ["PV1|1|N"])
                if patient.pk % 9 == 0 and patient.created + DAY < NOW_UTC:
                    self.adt(patient.created + DAY, "A31", f"H{patient.pk}A31", patient, ["PV1|1|N"], LANGUAGE)
            if patient.merged_into is not None:
                self.merge(patient.updated, f"H{patient.pk}A40", f.patients[patient.merged_into], patient.pid)
        case = f.case
        survivor, retired, at = f.patients[case["patient_pk"]], case["temporary_id"], story.MERGE_REFUSED
        self.merge(at, f"H{case['temporary_patient_pk']}A40", survivor, retired, dropped=True)

    def merge(self, at, control_id, survivor, retired, dropped=False):
        """ADT^A40; with `dropped`, the engine's table does not know the emergency numbers, and MRG-1.4 is lost."""
        if not self.since <= at < self.until:
            return
        head = [f"EVN||{local_digits(at)}", self.pid(survivor, representations=True)]
        merge = f"MRG|{retired}^^^{authority(self.flow, 'HVGH')}^MR"
        self.send(at, "HIS", "ADT^A40", control_id, [*head, merge])
        if dropped:
            self.forward(at, "HV_PACS", "ADT^A40", control_id, [*head, f"MRG|{retired}^^^^MR"], at, quirks=("MRG-1.4 missing",),
                         answer=("AE", ("MRG^1^1^1^4", "204", "Unknown key identifier"), ""))
        else:
            self.forward(at + 1, "HV_PACS", "ADT^A40", control_id, [*head, merge], at)
        self.forward(at + 1, "RIS", "ADT^A40", control_id, [*head, merge], at)

    def clinic_merges(self):
        """Eastcliff's merges of its own numbers: one with the two exchanged, one as A34."""
        for kind, facts in self.merge_faults:
            at = clock.seconds(facts["merged_utc"])
            if not self.since <= at < self.until:
                continue
            name = self.h.pacs.rows(f"SELECT name FROM patient WHERE pk = {facts['surviving_pk']}")[1][0][0]
            survivor, retired = facts["surviving_id"], facts["retired_id"]
            owner = authority(self.flow, "ECC")
            stamp, control_id = local_digits(at), f"C{facts['surviving_pk']}{kind[3:]}"
            if kind == "E1-03":
                survivor, retired = retired, survivor
                event, version, charset, quirk = "ADT^A40", "2.5.1", "UNICODE UTF-8", "MRG and PID exchanged"
                answer = ("AE", ("PID^1^3^1^1", "204", "Unknown key identifier"), "")
            else:
                event, version, charset, quirk = "ADT^A34", "2.3.1", "8859/1", "A34"
                answer = ("AR", ("MSH^1^9^1^2", "201", "Unsupported event code"), "")
            lines = [f"EVN|{event[4:] if version == '2.3.1' else ''}|{stamp}",
                     f"PID|1||{survivor}^^^{owner}^MR||{xpn(name.split('=')[0].strip())}", f"MRG|{retired}^^^{owner}^MR"]
            text = "\r".join([msh("ECC_RIS", ENGINE, at, event, control_id, version, charset), *lines]) + "\r"
            self.put(at, "ECC_RIS", ENGINE, control_id, event, text.encode(CHARSETS[charset], "replace"), (quirk,))
            self.acknowledge(at + 1, ENGINE, "ECC_RIS", control_id, event, version)
            self.forward(at + 1, "HV_PACS", event, control_id, lines, at, version, charset, (quirk,), answer)

    def test_patients(self):
        for facts in self.tests:
            at = clock.seconds(facts["sent_utc"])
            number = f"{facts['patient_id']}^^^{authority(self.flow, 'HVGH')}^MR"
            lines = [f"EVN||{local_digits(at)}", f"PID|1||{number}||{xpn(facts['patient_name'])}||19000101|O",
                     "PV1|1|O|Outpatient clinic^^^HVGH"]
            self.fan_out(at, "ADT^A04", f"H{facts['patient_id'][2:]}A04", lines, ("test patient",))

    # Orders

    def orders(self):
        for order in self.flow.orders.values():
            late = max(order.scheduled + DAY, order.ordered)
            if order.ordered >= self.until or late < self.since - 3 * DAY:
                continue
            self.life(order)

    def life(self, order):
        """What is sent about an order: new, moved, cancelled, completed."""
        faults = self.planted.get(("order_pk", order.pk), {})
        key = f"{order.sender[0]}{order.pk}"
        study = self.flow.study_of.get(order.pk)
        if faults or order.ordered >= self.since - DAY:       # what went wrong may reach the receivers days later
            self.new_order(order, key, faults)
        if order.moved is not None:
            self.moved_order(order, key, faults)
        elif order.cancelled is None and order.chance // 47 % 20 == 0:
            self.longer_appointment(order, key)
        if order.cancelled is not None:
            self.change(order.cancelled, order, key + "CA", "CA", "CA")
            self.booking(order.cancelled, order, key, "S15", order.scheduled)
        if study and study.complete and not locked_out(study) and order.sender == "RIS":
            self.change(study.complete + 3, order, key + "CM", "SC", "CM")

    def new_order(self, order, key, faults):
        at, control_id = order.ordered, key + "NW"
        if "E1-05" in faults:
            self.refused(order, control_id, ("accession too long",), accession=faults["E1-05"]["long_accession"],
                         error=("IPC^1^1", "102", "Data type error"))
        elif "E1-08" in faults:
            self.refused(order, control_id, ("LF",), change=lambda data: data.replace(b"\r", b"\n"),
                         error=("MSH^1", "100", "Segment sequence error"))
        elif "E1-10" in faults:
            self.refused(order, control_id, ("local code",), sent_code=faults["E1-10"]["sent_code"],
                         error=("OBR^1^4^1^1", "103", "Table value not found"))
        elif "E1-15" in faults:
            self.refused(order, control_id, ("cut off", "no final CR"), change=lambda data: data[:data.index(b"\rPV1|") - 5],
                         error=("PV1^1", "100", "Segment sequence error"))
        if {"E1-05", "E1-08", "E1-10", "E1-15"} & faults.keys():
            at, control_id = at + 2400 + order.chance // 23 % 1800, key + "NW2"
        quirks, options, change = [], {}, None
        if "E1-09" in faults:
            quirks.append("& not escaped")
            options["reason"] = "Fall & pain"
        if "E1-16" in faults:
            quirks.append("PID-7 zeros")
            options["zeros"] = True
        if "E1-07" in faults:
            quirks.append("charset wrong")
            change = recoded
        # What waits in the engine's queue is sent when somebody looks there: long after the change of the order.
        delay = order.moved - at + 1800 if "E1-02" in faults else 1
        if "E1-02" in faults:
            quirks.append("out of order")
        answer = ("AR", None, "Order not accepted, see log") if "E1-14" in faults else ("AA", None, "")
        due = order.first_scheduled
        if order.pk == self.unended.pk:
            options["made"], at = at, at + HELD_BACK
        self.order_message(at, order, control_id, "NW", "SC", due, tuple(quirks), change, answer=answer, delay=delay,
                           **options)
        if "E1-01" in faults:
            self.order_message(at + 31, order, control_id, "NW", "SC", due, ("sent twice",), made=at)
        if "E1-14" in faults:
            self.order_message(at + 660, order, key + "NW2", "NW", "SC", due)
        self.booking(at + 60, order, key, "S12", due)

    def moved_order(self, order, key, faults):
        if "E1-12" in faults:
            self.order_message(order.moved, order, key + "XO", "NW", "SC", order.scheduled, ("NW for XO",),
                               answer_of_archive=("AE", ("ORC^1^2", "205", "Duplicate key identifier"), ""))
            self.change(order.moved + 1500, order, key + "XO2", "XO", "SC")
        elif "E1-02" in faults:
            self.order_message(order.moved, order, key + "XO", "XO", "SC", order.scheduled,
                               answer_of_archive=("AE", ("ORC^1^2", "204", "Unknown key identifier"), ""))
            lines, _ = self.order_lines("RIS", order, order.moved, "XO", "SC", order.scheduled)
            self.forward(order.moved + 2400, "HV_PACS", ORDERS_2_3_1, key + "XO", lines, order.moved, "2.3.1", "8859/1",
                         ("sent twice",))
        else:
            self.change(order.moved, order, key + "XO", "XO", "SC")
        self.booking(order.moved + 60, order, key, "S13", order.scheduled)

    def change(self, at, order, control_id, control, status):
        if self.since <= at < self.until:
            self.order_message(at, order, control_id, control, status, order.scheduled)

    def refused(self, order, control_id, quirks, error, change=None, **options):
        """An order that the engine did not accept; the clinic sends it again when it has been told."""
        lines, _ = self.order_lines(order.sender, order, order.ordered, "NW", "SC", order.first_scheduled, **options)
        event = "OMI^O23" if order.sender == "ECC_RIS" else ORDERS_2_3_1
        self.send(order.ordered, order.sender, event, control_id, lines, quirks, change, ("AE", error, ""))

    def order_message(self, at, order, control_id, control, status, due, quirks=(), change=None, answer=("AA", None, ""),
                      answer_of_archive=("AA", None, ""), delay=1, made=None, **options):
        sender, made = order.sender, at if made is None else made
        event = "OMI^O23" if sender == "ECC_RIS" else ORDERS_2_3_1
        lines, own = self.order_lines(sender, order, made, control, status, due, **options)
        own += tuple(name for name in quirks if name != "out of order")
        if change is None and made == at:
            self.send(at, sender, event, control_id, lines, own, None, answer)
        else:
            self.send_again(at, made, sender, event, control_id, lines, own, change)
        if answer[0] != "AA":
            return
        lines, _ = self.order_lines("RIS", order, made, control, status, due, **options)
        if len(order.accession) > 16:
            quirks += ("accession too long",)
        self.forward(at + delay, "HV_PACS", ORDERS_2_3_1, control_id, lines, made, "2.3.1", "8859/1", quirks, answer_of_archive,
                     change)

    def send_again(self, at, made, sender, event, control_id, lines, quirks, change):
        """As ``send``, for a message made at another instant than it is sent at, or changed on its way."""
        sheet = SHEETS[sender]
        text = "\r".join([msh(sender, ENGINE, made, event, control_id, sheet.version, sheet.charset, sheet.zone), *lines]) + "\r"
        data = text.encode(CHARSETS[sheet.charset], "replace")
        self.put(at, sender, ENGINE, control_id, event, change(data) if change else data, sheet.quirks + quirks)
        self.acknowledge(at + 1, ENGINE, sender, control_id, event, sheet.version)

    def order_lines(self, style, order, at, control, status, due, accession=None, sent_code=None, reason=None, zeros=False):
        """The segments after MSH, and quirks that they bring: an OMI^O23 for ECC_RIS, else an ORM^O01 with ZDS."""
        f, sheet = self.flow, SHEETS[style]
        patient = f.patient(order.patient_pk, at)
        if order.pk == f.case["order_pk"] and at >= story.MERGE_REFUSED:
            patient = f.patients[f.case["patient_pk"]]
        visit = f.visits.get(order.visit_pk)
        quirks = ()
        pid = self.pid(patient)
        if zeros:
            pid = pid.replace(patient.birth_date.replace("-", ""), patient.birth_date[:4] + "0000")
        if style == "ECC_RIS":
            pid = pid.replace("PID|1||", f"PID|1||B{order.placer[1:]}^^^{authority(f, 'ECC')}^PT~", 1)
        doctor = xcn(referrer(order))
        parts = self.pv1(visit, at).split("|")
        parts += [""] * (9 - len(parts))
        parts[8] = doctor
        if order.code == "USOB":
            parts += [""] * (16 - len(parts))
            parts[15] = "B6"
        pv1 = "|".join(parts)
        number = accession or order.accession
        if len(number) > 16 and accession is None and style == "ECC_RIS":
            quirks = ("accession too long",)
        start = digits(due) + (zone_of(due) if sheet.zone else "")
        stamp = local_digits(at, sheet.zone)
        priority = HL7_PRIORITY[order.priority]
        if reason is None:
            usual = REASONS.get(order.body_part, OTHER_REASONS)
            reason = REASON_OF_CASE_17 if order.pk == f.case["order_pk"] else usual[order.chance // 19 % len(usual)]
            text = escaped(reason)
            if style == "CARD" and "&" in reason:
                text, quirks = reason, quirks + ("& not escaped",)
        else:
            text = reason
        side = self.side(order)
        transport = ("WALK", "WHLC", "CART")["OEI".index(parts[2])]
        code = f"{sent_code or order.code}^{escaped(order.description)}^99HV"
        lines = [pid, pv1]
        placer, filler = f"{order.placer}^HIS", f"{order.filler}^RIS"
        if style == "ECC_RIS":
            placer, filler = f"{order.placer}^ECC_RIS", f"{order.filler}^ECC_RIS"
            lines += [f"ORC|{control}|{placer}|{filler}||{status}||||{stamp}|||{doctor}",
                      f"TQ1|1||||||{start}||{priority}",
                      f"OBR|1|{placer}|{filler}|{code}" + "|" * 11 + f"{side}|{doctor}" + "|" * 14 + f"{transport}|^{text}"
                      + "|" * 13 + code]
            owner = order.issuer if accession is None else "ECC"
            station = order.station
            lines += [f"IPC|{number}^{owner}^{f.issuers[owner]}^ISO|{order.procedure_id}|{order.study_uid}|"
                      f"{step_id}|{modality}|{protocol}^{meaning}^99HV|{station}|{escaped(station_location(station))}|{station}"
                      for step_id, modality, protocol, meaning in order.steps]
            return lines, quirks
        timing = f"1^once^^{start}^^{priority}"
        for place, (step_id, modality, protocol, meaning) in enumerate(order.steps, 1):
            obr = (f"OBR|{place}|{placer}|{filler}|{code}^{protocol}^{escaped(meaning)}^99HV" + "|" * 11
                   + f"{side}|{doctor}||{number}|{order.procedure_id}|{step_id}||||{modality}|||{timing}|||{transport}|^{text}")
            if style != "CARD":                        # version 2.3 ends at OBR-43
                obr += "|" * 13 + code
            lines += [f"ORC|{control}|{placer}|{filler}||{status}||{timing}||{stamp}|||{doctor}", obr]
        lines.append(f"ZDS|{order.study_uid}^HVGH^Application^DICOM")
        return lines, quirks

    def side(self, order):
        """OBR-15 with the side in component 5 (IHE RAD TF-2 4.4), from what was examined."""
        contradiction = self.planted.get(("order_pk", order.pk), {}).get("A1-12")
        if contradiction:
            return "^^^^" + contradiction["ordered_laterality"]
        study = self.flow.study_of.get(order.pk)
        sides = {series.laterality for series in study.series if series.laterality} if study else ()
        return "^^^^" + next(iter(sides)) if len(sides) == 1 else ""

    def longer_appointment(self, order, key):
        """An appointment is lengthened, at the earliest an hour after it was made."""
        wait = order.scheduled - ahead(order.scheduled - 3600) - order.ordered
        at = order.ordered + 3600 + order.chance // 53 % max(wait // 2, 1)
        if wait > DAY and at < NOW_UTC - 600:
            self.booking(at, order, key, "S14", order.scheduled, 45)

    def booking(self, at, order, key, trigger, due, minutes=30):
        """SIU of the RIS to the EMR, for outpatients who are called in."""
        if order.sender != "RIS" or not self.since <= at < self.until or not called_in(order, due):
            return
        patient = self.flow.patient(order.patient_pk, at)
        begins, after = digits(due) + zone_of(due), due + 60 * minutes
        status = "Cancelled" if trigger == "S15" else "Booked"
        # RGS-2, AIS-2 and AIL-2, table 0206: required where an appointment is modified (HL7 v2.5.1 10.6).
        action = {"S12": "A", "S13": "U", "S14": "U", "S15": ""}[trigger]
        who = xcn(referrer(order))
        lines = [f"SCH|{order.placer}^HIS|{order.filler}^RIS||||{EVENT_REASONS[trigger]}|ROUTINE^Routine appointment^HL70276||||"
                 f"^^M{minutes}^{begins}^{digits(after)}{zone_of(after)}|||||{who}||||{who}|||||{status}",
                 self.pid(patient), f"RGS|1|{action}".rstrip("|"),
                 f"AIS|1|{action}|{order.code}^{escaped(order.description)}^99HV|{begins}|||{minutes}|min^minute^ISO+",
                 f"AIL|1|{action}|{escaped(station_location(order.station))}^{order.station}^^HVGH"]
        control_id, event = key + trigger, f"SIU^{trigger}"
        self.send(at, "RIS", event, control_id, lines)
        self.forward(at + 1, "EMR", event, control_id, lines, at, "2.5.1", "8859/1")

    # Results

    def results(self):
        f = self.flow
        for study in f.studies.values():
            order = f.orders.get(study.order_pk)
            if order is None or study.status != "READ" or study.deleted or locked_out(study):
                continue
            chance = order.chance // 29
            urgent = order.priority != "ROUTINE"
            final = study.created + ((900 + chance % (5 * 3600)) if urgent else (3600 + chance % (40 * 3600)))
            final = min(final, NOW_UTC - 300 - chance % 600)
            key = ("V" if order.sender != "CARD" else "C") + str(study.pk)
            if urgent and chance // 7 % 10 < 7 and final - study.created > 1800:
                self.report(study.created + 600 + chance % 900, study, order, key + "P", "P")
            self.report(final, study, order, key + "F", "F")
            corrected = final + DAY + chance % DAY
            if chance // 11 % 50 == 0 and corrected < NOW_UTC:
                self.report(corrected, study, order, key + "C", "C")

    def report(self, at, study, order, control_id, status):
        if not self.since <= at < self.until:
            return
        f = self.flow
        sender = "CARD" if order.sender == "CARD" else "VOX"
        zone = sender != "VOX" and SHEETS[sender].zone
        visit = f.visits.get(order.visit_pk)
        began = local_digits(study.began, zone)
        reader = READERS[order.chance // 31 % len(READERS)]
        doctor = xcn(referrer(order))
        placer, filler = f"{order.placer}^HIS", f"{order.filler}^RIS"
        stamp = local_digits(at, zone)
        patient = f.patient(order.patient_pk, at)
        pv1 = self.pv1(visit, at)
        obr = (f"OBR|1|{placer}|{filler}|{order.code}^{escaped(order.description)}^99HV|||{began}" + "|" * 9
               + f"{doctor}||{order.accession}||||{stamp}||{order.modality}|{status}||1^^^^^{HL7_PRIORITY[order.priority]}"
               + "|" * 5 + "&".join(reader))
        lines = [self.pid(patient, representations=sender == "VOX"), pv1, obr]
        findings = FINDINGS[order.chance // 37 % len(FINDINGS)]
        if status == "C":
            findings = (*findings, "Correction: side and level checked, conclusion unchanged.")
        quirks = ()
        if sender == "CARD" and order.chance // 41 % 5 == 0:
            lines.append(f"OBX|1|ED|PDF^Report^99HV||CARD^AP^PDF^Base64^{PDF}||||||{status}")
            quirks = ("base64 PDF",)
        elif order.chance // 43 % 3 == 0 and sender == "VOX":
            whole = "\\.br\\".join(escaped(line) for line in findings)
            lines.append(f"OBX|1|TX|GDT^Report^99HV||{whole}||||||{status}")
            quirks = (r"\.br\ lines",)
        else:
            lines += [f"OBX|{number}|TX|GDT^Report^99HV|{number}|{escaped(line)}||||||{status}"
                      for number, line in enumerate(findings, 1)]
        lines.append(f"OBX|{len(lines) - 2}|ST|113014^DICOM Study^DCM||{study.uid}||||||{status}")
        if len(order.accession) > 16:
            quirks += ("accession too long",)
        self.send(at, sender, "ORU^R01", control_id, lines, quirks)
        self.forward(at + 1, "EMR", "ORU^R01", control_id, lines, at, quirks=quirks)

    def messages(self):
        for part in (self.admissions, self.registrations, self.clinic_merges, self.test_patients, self.orders, self.results):
            part()
        self.out.sort(key=lambda entry: entry[:2])
        times = clock.text([entry[0] for entry in self.out]) if self.out else []
        return [Message(when, *entry[2:]) for when, entry in zip(times, self.out)]


def case_visit(f, case):
    return f.orders[case["order_pk"]].visit_pk


def called_in(order, due):
    """Whether the patient of an order gets an appointment for `due` (local): not urgent, and two hours ahead or more."""
    return order.priority == "ROUTINE" and due - ahead(due - 3600) - order.ordered >= 7200


HELD_BACK = 150              # seconds from the first attempt to send it until the message of ``unended`` arrived


def unended(h):
    """The order whose message the RIS sent three times without the end block of MLLP before it arrived: an ``Order``.

    What the sniffer saw of it is capture 'mllp_no_end'; the feed has the message that arrived. It is an order about
    which nothing else went wrong, and while it waited the RIS had no other to send.
    """
    f = flow(h, *span())
    used = {value for incident in h.incidents for key, value in incident.facts.items() if key.endswith("order_pk")}
    orders = sorted((order for order in f.orders.values() if order.sender == "RIS" and order.ordered >= f.since),
                    key=lambda order: (order.ordered, order.pk))
    alone = [order for earlier, order, later in zip(orders, orders[1:], orders[2:])
             if order.pk not in used and order.moved is None and order.cancelled is None
             and not called_in(order, order.scheduled)
             and order.ordered - earlier.ordered > 300 and later.ordered - order.ordered > 2 * HELD_BACK]
    return min(alone, key=lambda order: order.chance)


def zone_of(local):
    """The offset of a wall-clock time from UTC, as HL7 writes it."""
    return f"+0{ahead(local - ahead(local - 3600)) // 3600}00"


SWAP = bytes.maketrans(b"^~", b"~^")


def as_cardiology(data):
    """A message as the cardiology system writes it: line feeds, and separators of its own."""
    return data.translate(SWAP).replace(b"\r", b"\n")


def recoded(data):
    """A Latin-1 message as a sender writes it whose text is UTF-8 but whose MSH-18 was never changed."""
    return data.decode("latin-1").encode("utf-8")


EVENT_REASONS = {"S12": "NEW^New appointment^99HV", "S13": "MOVED^Moved to another time^99HV",
                 "S14": "LONGER^More time needed^99HV", "S15": "CANCEL^Cancelled^99HV"}
REASONS = {
    "HEAD": ("Headache", "Fall on the head", "Dizziness & nausea"), "BRAIN": ("Headache", "Seizure", "Follow-up, lesion 6~8 mm"),
    "CHEST": ("Cough & fever", "Dyspnoea", "Pre-operative"), "ABDOMEN": ("Abdominal pain", "Nausea & vomiting", "Follow-up"),
    "BREAST": ("Screening", "Palpable lump", "Follow-up"), "HEART": ("Heart failure", "Murmur", "Chest pain & palpitations"),
    "CORONARYARTERY": ("Angina", "Chest pain & dyspnoea", "Follow-up after stent"),
}
OTHER_REASONS = ("Pain", "Fall", "Follow-up", "Pain, left > right")
REASON_OF_CASE_17 = "Found unconscious, head injury"
FINDINGS = (
    ("Comparison: none.", "No acute abnormality.", "Conclusion: normal examination."),
    ("Comparison with the previous examination.", "Unchanged findings.", "Conclusion: stable."),
    ("Degenerative changes, age & load related.", "No fracture seen.", "Conclusion: degenerative disease."),
    ("Image quality limited by motion.", "No gross abnormality.", "Conclusion: repeat if symptoms persist."),
    ("Small focal finding, 6 mm.", "No enlarged nodes.", "Conclusion: follow-up in 6 months."),
)
READERS = (("2003", "ELDRIDGE", "PAULA"), ("2008", "ABENDROTH", "KAI"), ("2015", "SOUZA", "LEILA"), ("2021", "VERWEY", "BAS"))
# The base64 text of a PDF of one empty page.
PDF = ("JVBERi0xLjEKMSAwIG9iajw8L1R5cGUvQ2F0YWxvZy9QYWdlcyAyIDAgUj4+ZW5kb2JqCjIgMCBvYmo8PC9UeXBlL1BhZ2VzL0tpZHNbMyAwIFJdL0Nv"
       "dW50IDE+PmVuZG9iagozIDAgb2JqPDwvVHlwZS9QYWdlL1BhcmVudCAyIDAgUi9NZWRpYUJveFswIDAgNTk1IDg0Ml0+PmVuZG9iagp0cmFpbGVyPDwv"
       "Um9vdCAxIDAgUj4+CiUlRU9GCg==")


def feed(h, since=None, until=None):
    """The messages that crossed the engine's connections.

    Parameters
    ----------
    since, until : str or int, optional
        'YYYY-MM-DD HH:MM:SS' or seconds, UTC; the 30 days before ``h.now`` if omitted, and never beyond them.

    Returns
    -------
    list of Message
        In order of time; a narrower window gives the same messages as the whole.
    """
    since, until = span(since, until)
    return Writer(h, since, until).messages()


class Batch(NamedTuple):
    """A file of HL7 messages, as one system leaves it for another.

    name   : of the file
    at_utc : when it was written, 'YYYY-MM-DD HH:MM:SS'
    text   : FHS, for each batch BHS, messages and BTS, then FTS; segments end with a carriage return; on disk in UTF-8
    quirks : names in ``feed_quirks.QUIRKS``; empty if the trailers count right
    """

    name: str
    at_utc: str
    text: str
    quirks: tuple


PERSONS = ("ADT^A28", "ADT^A31", "ADT^A40")
WRITTEN_AT = 1800                                                       # seconds after midnight, wall clock


def batches(h, since=None, until=None):
    """The files in which the HIS passes each day's ADT on to the region's patient index, NMH_MPI, at half past midnight.

    A file has two batches, of encounters and of persons (A28, A31, A40), with the messages that the HIS sent to the engine
    from one midnight to the next, with their control IDs; the day is that of the wall clock, so one of them has 23 hours.
    In one night a message is missing from its batch, though the trailer counts it.

    Parameters
    ----------
    since, until : str or int, optional
        When the files were written, as for ``feed``; a day that the feed does not have whole has no file.

    Returns
    -------
    list of Batch
        In order of time. Structure and counts (BTS-1, FTS-1): HL7 v2.5.1 2.10.3, 2.15.
    """
    since, until = span(since, until)
    sent = [message for message in h.feed
            if message.sender == "HIS" and message.receiver == ENGINE and message.event.startswith("ADT")]
    days = {}
    for at, message in zip(seconds_of([message.at_utc for message in sent]), sent):
        days.setdefault((at + ahead(at)) // DAY, ([], []))[message.event in PERSONS].append(message)
    first, last = ((at + ahead(at)) // DAY for at in span())
    days = {day: days.get(day, ([], [])) for day in range(first + 1, last)}
    draws = Draws(h.seed, "feed of batches")
    busy = [day for day, (encounters, _) in days.items() if len(encounters) > 2]
    short = busy[draws.one(0, len(busy) - 1)]
    lost = draws.one(1, len(days[short][0]) - 2)
    found = []
    for day, parts in days.items():
        local = (day + 1) * DAY + WRITTEN_AT
        at = local - ahead(local - 3600)
        if not since <= at < until:
            continue
        date, head = digits(day * DAY)[:8], f"|^~\\&|HIS|HVGH|NMH_MPI|NMH|{local_digits(at)}||"
        lines = [f"FHS{head}ADT{date}.hl7|ADT of one day|F{date}"]
        for number, (kind, messages) in enumerate(zip(("ENCOUNTERS", "PERSONS"), parts), 1):
            held = [message for place, message in enumerate(messages) if (day, number, place) != (short, 1, lost)]
            lines.append(f"BHS{head}{kind}||B{date}{number}")
            lines += [message.text.replace(f"|{ENGINE}|HVGH|", "|NMH_MPI|NMH|", 1).rstrip("\r") for message in held]
            lines.append(f"BTS|{len(messages)}")
        lines.append(f"FTS|{len(parts)}")
        found.append(Batch(f"ADT{date}.hl7", clock.text([at])[0], "\r".join(lines) + "\r",
                           ("batch count wrong",) if day == short else ()))
    return found


# Reading the feed again: what a trace is found by

def read(message):
    """The segments of a message, a dict of name -> list of segments; field n of a segment is ``segment[n]``, MSH too."""
    found = {}
    for segment in hl7.split(message.text):
        found.setdefault(segment[0], []).append(segment)
    return found


def identifiers(message):
    """What a message says of patient, order and outcome, for those keys that it has: a dict of texts."""
    said = hl7.parse(message.bytes)

    def value(name, place, component=1, choose=lambda text: True):
        for segment in said.segments(name):
            for repetition in segment[place].split("~"):
                parts = repetition.split("^")
                if choose(parts) and len(parts) >= component and parts[component - 1]:
                    return parts[component - 1]
        return None

    says = {
        "patient_id": value("PID", 3, choose=lambda parts: parts[4:5] == ["MR"]), "patient_name": said["PID-5[1]"],
        "visit_number": value("PV1", 19), "retired_id": value("MRG", 1), "placer_number": value("ORC", 2),
        "accession": value("IPC", 1) or value("OBR", 18), "planned_study_uid": value("IPC", 3) or value("ZDS", 1),
        "procedure_code": value("OBR", 4), "ordered_laterality": value("OBR", 15, 5), "control": value("ORC", 1),
        "order_status": value("ORC", 5), "answer": value("MSA", 1), "answered": value("MSA", 2),
        "error": value("ERR", 3) or (value("ERR", 1, 4) or "").split("&")[0], "birth_date": value("PID", 7),
    }
    return {key: text for key, text in says.items() if text}


# Keys by which an incident's messages are found, the first that its facts have; and which of their identifiers must agree.
FOUND_BY = ("retired_id", "accession", "visit_number", "patient_id")
SHARED = ("patient_id", "patient_name", "accession", "planned_study_uid", "placer_number", "retired_id", "visit_number",
          "ordered_laterality")


def trace(h, incident):
    """What the feed shows of `incident`: a list of ``Evidence``, found by the facts' identifiers in the messages alone."""
    facts, kind = incident.facts, incident.id.rsplit("-", 1)[0] if incident.id != "C17" else "C17"
    needles = [facts[key] for key in FOUND_BY if facts.get(key)][:1]
    if kind == "C17":
        needles = [facts["temporary_id"]]
    elif kind in ("E1-05", "E1-15"):
        needles.append(facts["long_accession"] if kind == "E1-05" else facts["patient_id"])
    needles = [needle.encode("ascii") for needle in needles]
    met = [message for message in h.feed if any(needle in message.bytes for needle in needles)]
    wanted = {(message.receiver, message.control_id) for message in met}
    answers = {}
    for message in h.feed if kind in ANSWERED else ():
        if message.event == "ACK" and (message.sender, message.control_id[1:]) in wanted:
            answers.setdefault((message.sender, message.control_id[1:]), []).append(message)
    found = []
    for message in met:
        says = identifiers(message)
        what = SIGNS.get(kind, SIGNS["A1"])(facts, message, says)
        if not what:
            continue
        shared = SHARED if kind not in ("C17", "E1-03") else ()
        ids = {key: says[key] for key in shared if key in says and key in facts}
        if kind == "A1-08":
            ids = {key: says[key] for key in ("patient_id", "patient_name")}
        if kind in ("A1-07", "E1-04", "E1-06"):
            ids["surviving_id"] = says["patient_id"]
        if kind == "E1-03":
            ids = {"surviving_id": says["retired_id"], "retired_id": says["patient_id"]}
        if kind == "E1-05" and says["accession"] != facts["accession"]:
            ids = {"long_accession": says["accession"], "placer_number": says["placer_number"]}
        if kind == "C17":
            ids = {"temporary_id": says.get("retired_id", says["patient_id"])}
            ids.update({key: says[key] for key in ("accession", "planned_study_uid", "placer_number", "visit_number")
                        if key in says})
            if "retired_id" in says:
                ids["patient_id"] = says["patient_id"]
        if any(evidence.what == what for evidence in found):
            what += " again"
        found.append(Evidence(message.at_utc, what, ids))
        for answer in answers.get((message.receiver, message.control_id), ()):
            says = identifiers(answer)
            if says["answer"] != "AA" and says["answered"] == message.control_id:
                found.append(Evidence(answer.at_utc, f"{what} answered {says['answer']} {says.get('error', '')}".strip(), {}))
    return found


def first_hop(message):
    return message.receiver == ENGINE and message.event != "ACK"


def sign_of_order(facts, message, says):
    """Messages about the incident's order, as its sender wrote them."""
    if not first_hop(message) or message.event not in (ORDERS_2_3_1, "OMI^O23"):
        return None
    if says.get("accession") not in (facts.get("accession"), facts.get("long_accession")):
        return None
    return {"NW": "ordered", "XO": "moved", "CA": "cancelled", "SC": "complete"}[says["control"]]


def sign_of_merge(facts, message, says):
    return "merged" if first_hop(message) and message.event in ("ADT^A40", "ADT^A34") else None


def sign_of_case(facts, message, says):
    if not (first_hop(message) or message.receiver == "HV_PACS" and message.event == "ADT^A40"):
        return None
    return {"ADT^A04": "registered", "ORM^O01": "ordered", "ADT^A40": "merge_refused"}.get(message.event)


def sign_of_name(facts, message, says):
    # In the wrong character set a name reads otherwise: that is another incident.
    named = first_hop(message) and says.get("patient_name") and not wrong_charset(message.bytes)
    return "named" if named and says.get("patient_id") == facts["patient_id"] else None


def sign_of_visit(facts, message, says):
    updates = first_hop(message) and message.event == "ADT^A08"
    return "flood" if updates and says.get("visit_number") == facts["visit_number"] else None


def sign_of_overtaking(facts, message, says):
    if message.receiver != "HV_PACS" or message.event != ORDERS_2_3_1:
        return None
    return {"NW": "order at the archive", "XO": "moved"}.get(says["control"])


def sign_of_disguise(facts, message, says):
    what = sign_of_order(facts, message, says)
    if what == "ordered" and message.at_utc >= facts["moved_utc"]:
        return "moved"
    if message.receiver == "HV_PACS" and says.get("control") == "NW" and message.at_utc >= facts["moved_utc"]:
        return "moved, at the archive"
    return {"moved": "sent as a change"}.get(what, what)


def sign_of_cut(facts, message, says):
    if first_hop(message) and message.event == ORDERS_2_3_1 and "accession" not in says:
        return "cut off" if says.get("patient_id") == facts["patient_id"] else None
    return {"ordered": "sent again"}.get(sign_of_order(facts, message, says))


def sign_of_test(facts, message, says):
    return "sent" if first_hop(message) and says.get("patient_id") == facts["patient_id"] else None


def sign_of_lost_authority(facts, message, says):
    return "merge_refused" if message.receiver == "HV_PACS" and message.event == "ADT^A40" else None


SIGNS = {
    "A1": sign_of_order, "C17": sign_of_case, "A1-07": sign_of_merge, "A1-08": sign_of_name, "E1-02": sign_of_overtaking,
    "E1-03": sign_of_merge, "E1-04": sign_of_merge, "E1-06": sign_of_lost_authority, "E1-11": sign_of_visit,
    "E1-12": sign_of_disguise, "E1-13": sign_of_test, "E1-15": sign_of_cut,
}
ANSWERED = {"C17", "E1-02", "E1-03", "E1-04", "E1-05", "E1-06", "E1-08", "E1-10", "E1-12", "E1-14", "E1-15"}
