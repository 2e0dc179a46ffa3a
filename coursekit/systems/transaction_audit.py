"""What actors leave in the audit trail: a record for each transaction, from whoever took part, and one for whom was refused and why.

    with AuditRepository() as trail, Registry(...) as registry:
        registry.audit = TransactionAudit(AuditSender("127.0.0.1", trail.port), "nmh-registry")

Sources: IHE ITI TF-2 3.x.5.1 of each transaction (which event, who, what), 3.43.6.1, 3.8.5.2 (a merge), 3.38.4.1.4 (gateways), 3.40.4.2
(a user's assertion), 3.20 (ATNA; its Table 3.20.4.1.1.1-1 alone speaks for ITI-30); MHD 2:3.65.5.1 to 2:3.68.5.1; PIXm and PDQm (ITI-83,
ITI-78, ITI-119; 2:3.104.5.1); BALP (roles and objects of REST; AuthZconsent, a decision on consent); PS3.15 A.5.
"""

import json
import os
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import parse_qs

from coursekit.standards import audit, hl7v3, xml
from coursekit.standards.xds import facts, metadata, mhd
from coursekit.standards.xds.facts import QUERY, RIM, SET, XDSB
from coursekit.systems.audit_repository import Unsent
from coursekit.systems.system import HOST

IMPORT, EXPORT, ASKED, TRANSFERRED, ALERT, AUTHENTICATION = "110107", "110106", "110112", "110104", "110113", "110114"
PATIENT_RECORD = "110110"
SOURCE, DESTINATION, APPLICATION = "110153", "110152", "110150"
NODE_AUTHENTICATION, LOGIN, EMERGENCY = "110126", "110122", "110127"
CONSENT = ("AuthZ-Consent", "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType", "Authorization Decision using Roles and Consent")
HOME = "urn:ihe:iti:xca:2010:homeCommunityId"           # 3.18.5.1
SECURITY_SERVER = "6"                                   # AuditSourceTypeCode
SERIOUS, MINOR, FINE = "8", "4", "0"
HL7 = "urn:hl7-org:v3"
IHERAD = "urn:ihe:rad:xdsi-b:2009"


class TransactionAudit:
    """Writes the records of one actor.

    sender : an AuditSender; what it can't send it keeps, and no transaction fails for it
    host   : the name of the actor's computer
    clock  : a function that gives EventDateTime

    `process` is what it names as the actor's own process (AlternativeUserID), this one's number.
    """

    def __init__(self, sender, host, clock=None):
        self.sender, self.host, self.process = sender, host, str(os.getpid())
        self._clock = clock or (lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))

    def note(self, name, transaction, caller, request, reply, told, responder=None):
        """Note a transaction that `name` has answered.

        caller    : who asked
        request, reply : each a soap.Message, or an hl7.Message; of FHIR a FhirRequest and the status of HTTP. reply is None for a fault
        told      : what was answered; it begins with Success, PartialSuccess or Failure
        responder : how the record names the actor, if not by `name`
        """
        self._note(name, transaction, caller, responder or name, request, reply, told, True)

    def asked(self, name, transaction, responder, request, reply, told, caller=None):
        """Note a transaction that `name` has asked another actor for; as of `note`.

        responder : whom it asked: a URL, or over MLLP facility|application
        caller    : how the record names the actor, if not by `name`
        """
        self._note(name, transaction, caller or name, responder, request, reply, told, False)

    def heard(self, name, message, answer):
        """Let a function answer an hl7.Message that came to `name`, and note the transaction. Returns and raises what the function does."""
        reply, told = None, "Failure"
        try:
            reply = answer(message)
            told = "Failure" if reply is not None and reply["QAK-2"] == "AE" else "Success"
            return reply
        finally:
            caller, responder = f"{message['MSH-4']}|{message['MSH-3']}", f"{message['MSH-6']}|{message['MSH-5']}"
            self.note(name, over_mllp(message), caller, message, reply, told, responder)

    def _note(self, name, transaction, caller, responder, request, reply, told, answered):
        row = TRANSACTIONS.get(transaction)
        if row is None:
            return
        event, action = row.events[0 if answered else 1]
        # Whoever sends documents or metadata, or asks, is the source; for a retrieval that is who gives out (3.43.6.1.2; BALP, Read).
        roles = (DESTINATION, SOURCE) if row.events[0][0] in (EXPORT, TRANSFERRED) else (SOURCE, DESTINATION)
        hosts, processes = (HOST, self.host), (None, self.process)              # each actor names its own process
        if not answered:
            hosts, processes = hosts[::-1], processes[::-1]
        user = getattr(request, "user", None)
        # There is one requestor: a user whom an assertion names, or else the system that asks (PS3.15 Table A.5-1, 3.43.6.1).
        people = (audit.participant(caller or "unknown", not user, (roles[0],), None, processes[0], hosts[0])
                  + audit.participant(responder, False, (roles[1],), None, processes[1], hosts[1]) + _human(user))
        # A success in part is a success and a failure (3.18.5.1, 3.43.6.1).
        for outcome in (FINE, SERIOUS) if told.startswith("PartialSuccess") else (SERIOUS,) if told.startswith("Failure") else (FINE,):
            objects = row.objects(transaction, request, reply, outcome)
            for done, about in objects.items() if isinstance(objects, dict) else ((action, objects),):
                self._send(name, event, done, people, about, outcome, (transaction, row.name), purpose=_purpose(user))

    def _itself(self, name):
        return audit.participant(name, False, (APPLICATION,), None, self.process, self.host)

    def node_refused(self, name, address, reason):
        """Note that `name` and another node, of which the address is all that is known, did not accept each other (ITI-19)."""
        node = audit.thing(address, "110182", role="13", details=(("Alert Description", reason),))
        self._send(name, ALERT, "E", self._itself(name), node, MINOR, NODE_AUTHENTICATION)

    def user_refused(self, name, caller, reason):
        """Note that `name` did not accept what a caller has shown of its user (ITI-40)."""
        people = audit.participant(caller or "unknown", True, host=HOST) + self._itself(name)
        self._send(name, AUTHENTICATION, "E", people, "", SERIOUS, LOGIN, reason)

    def decided(self, name, user, patient, documents, permit, reason, emergency):
        """Note a decision on consent, for documents of one patient.

        user      : who wants to see them: has `user`, `roles` and `purpose` as an ``xua.Assertion`` has
        documents : their uniqueIds
        """
        people = self._itself(name) + _human(user)
        objects = audit.patient(patient, patient) + "".join(audit.thing(one, "9", role="3") for one in documents)
        self._send(name, ALERT, "E", people, objects, FINE if permit else SERIOUS, EMERGENCY if emergency else CONSENT, reason,
                   SECURITY_SERVER, _purpose(user))

    def _send(self, name, event, action, people, objects, outcome, event_type, explanation=None, source_type=None, purpose=None):
        when = self._clock()
        text = audit.message(event, action, when, people, name, objects, outcome, event_type, explanation, None, source_type, purpose)
        try:
            self.sender.send(audit.syslog(text, when, self.host, name, kind="IHE+RFC-3881", bom=False))
        except Unsent:
            pass


def _human(user):
    """The user as an active participant; UserName is as XUA wants it."""
    if not user:
        return ""
    roles = tuple((one.code, one.scheme, one.display or one.code) for one in user.roles)
    return audit.participant(user.user, True, roles, getattr(user, "audited", None))


def _purpose(user):
    purpose = user.purpose if user else None
    return (purpose.code, purpose.scheme, purpose.display or purpose.code) if purpose else None


# What the records speak of

def _submission(transaction, request, reply, outcome):
    body = request.body
    listed = body if body.find(f"{{{RIM}}}RegistryObjectList") is not None else body.find(f"{{{facts.LCM}}}SubmitObjectsRequest")
    listed = listed.find(f"{{{RIM}}}RegistryObjectList") if listed is not None else None
    entries = metadata.read(listed)[0] if listed is not None else []
    held = next((entry for entry in entries if entry.kind == SET), None)
    return _set(held) if held is not None else ""


def _bundle(transaction, request, reply, outcome):
    """The submission set of a bundle (ITI-65), as far as it can be read."""
    try:
        parts = [one for one in mhd.elements(json.loads(request.body), "entry") if isinstance(one, dict)]
        others = {one["fullUrl"]: one.get("resource") for one in parts if isinstance(one.get("fullUrl"), str)}
        return _set(mhd.from_fhir(next(one["resource"] for one in parts if mhd.kind_of(one.get("resource")) == SET), others))
    except (ValueError, RecursionError, StopIteration):
        return ""


def _set(held):
    return _patient(held.get("patientId")) + audit.thing(held.get("uniqueId", ""), audit.SUBMISSION_SET, role="20")


def _stored_query(transaction, request, reply, outcome):
    body = request.body
    asked = body.find(f"{{{RIM}}}AdhocQuery") if body.tag == f"{{{QUERY}}}AdhocQueryRequest" else None
    if asked is None:
        return ""
    patient = next(((value.text or "").strip("'") for slot in asked if slot.get("name", "").lower().endswith("patientid")
                    for value in slot.iter(f"{{{RIM}}}Value")), None)
    details = (("QueryEncoding", "UTF-8"), *([(HOME, asked.get("home"))] if asked.get("home") else []))
    # Of a cross gateway query the EventTypeCode alone is its own (3.38.4.1.4).
    return _patient(patient) + audit.thing(asked.get("id", ""), "ITI-18", role="24", query=xml.encode(body), details=details)


def _documents(transaction, request, reply, outcome):
    """The documents that were given out; of a failure, those that were not."""
    given, found = set(), []
    if reply is not None:
        given = {one.findtext(f"{{{XDSB}}}DocumentUniqueId") for one in reply.body.iterfind(f"{{{XDSB}}}DocumentResponse")}
    for asked in request.body.iterfind(f"{{{XDSB}}}DocumentRequest"):
        home, repository, uid = (asked.findtext(f"{{{XDSB}}}{name}", "") for name in (
            "HomeCommunityId", "RepositoryUniqueId", "DocumentUniqueId"))
        if (uid in given) == (outcome == FINE):
            details = (("Repository Unique Id", repository), *([("ihe:homeCommunityID", home)] if home else []))
            found.append(audit.thing(uid, "9", role="3", details=details))
    return "".join(found)


def _images(transaction, request, reply, outcome):
    """The studies of which images were asked for."""
    found = []
    for study in request.body.iterfind(f"{{{IHERAD}}}StudyRequest"):
        repositories = {one.text or "" for one in study.iter(f"{{{XDSB}}}RepositoryUniqueId")}
        found.append(audit.thing(study.get("studyInstanceUID", ""), "110180", role="3", details=tuple(
            ("Repository Unique Id", one) for one in sorted(repositories))))
    return "".join(found)


def _v2_query(transaction, request, reply, outcome):
    patient = request["QPD-3"] if transaction == "ITI-9" else None
    return _patient(patient) + audit.thing(request["QPD-2"], transaction, role="24", query=request.encode(),
                                           details=(("MSH-10", request["MSH-10"]),))


def _v3_query(transaction, request, reply, outcome):
    asked = request.body.find(f".//{{{HL7}}}queryByParameter")
    if asked is None:
        return ""
    number = asked.find(f"{{{HL7}}}parameterList/{{{HL7}}}patientIdentifier/{{{HL7}}}value")
    patient = f"{number.get('extension')}^^^&{number.get('root')}&ISO" if number is not None else None
    tag = asked.find(f"{{{HL7}}}queryId")
    tag = tag.get("extension", "") if tag is not None else ""
    return _patient(patient) + audit.thing(tag, transaction, role="24", query=xml.encode(asked))


class FhirRequest(NamedTuple):
    """A request of FHIR as it is audited: the address that was asked, the body, and the CX of the patient where neither says it, or ""."""

    address: str
    body: bytes = b""
    patient: str = ""


NAMES_PATIENT = {           # parameters that name the patient, as an identifier or by a reference
    "ITI-66": ("patient.identifier", "patient"), "ITI-67": ("patient.identifier", "patient"), "ITI-78": ("identifier",),
    "ITI-83": ("sourceIdentifier",), "ITI-104": ("identifier",)}


def _whose(transaction, request):
    """The CX of the patient that a request of FHIR names, or ""."""
    asked = parse_qs(request.address.partition("?")[2] or request.body.decode("utf-8", "replace"))
    for name, text in ((name, one) for name in NAMES_PATIENT.get(transaction, ()) for one in asked.get(name, ())):
        if name == "patient":
            return mhd.patient_id(text) or ""
        system, _, number = text.partition("|")
        try:
            return mhd.cx({"system": system, "value": number})
        except mhd.BadResource:                         # it names none
            pass
    return ""


def _fhir_query(transaction, request, reply, outcome):
    return _patient(_whose(transaction, request)) + audit.thing(
        request.address.partition("?")[0], transaction, role="24",
        query=request.address.encode() + (b"\n" + request.body if request.body else b""))


def _fhir_document(transaction, request, reply, outcome):
    return _patient(request.patient) + audit.thing(request.address, "12", role="3")


# Records of patients: {EventActionCode: objects}, because a merge deletes one record and updates another (3.8.5.2, 3.44.5.1)

def _v2_feed(transaction, request, reply, outcome):
    detail, trigger = (("MSH-10", request["MSH-10"]),), request["MSH-9.2"]
    if trigger == "A40":
        return {"D": _patient(request["MRG-1"], detail), "U": _patient(request["PID-3"], detail)}
    return {"U" if trigger in ("A08", "A31") else "C": _patient(request["PID-3"], detail)}


def _v2_notification(transaction, request, reply, outcome):
    """The numbers of one patient (3.10.5.1: Patient IDs 1..n)."""
    return "".join(_patient(one, (("MSH-10", request["MSH-10"]),)) for one in request["PID-3"].split("~"))


def _v3_feed(transaction, request, reply, outcome):
    name, tag = request.action.rpartition(":")[2], hl7v3.find(request.body, "id")
    detail = (("II", f"{tag.get('extension', '')}@{tag.get('root', '')}"),) if tag is not None else ()
    subsumed, patient = (
        _patient("~".join(f"{one.get('extension')}^^^&{one.get('root')}&ISO" for one in hl7v3.find_all(request.body, f"{role}/id")
                          if one.get("extension")), detail) for role in (hl7v3.SUBSUMED, hl7v3.PATIENT))
    return {"D": subsumed, "U": patient} if name == hl7v3.RESOLVE else {"C" if name == hl7v3.ADD else "U": patient}


def _fhir_feed(transaction, request, reply, outcome):
    """A merge comes as an update of the subsumed record (PIXm 2:3.104.4.2); a source can't tell what is new from what is not."""
    return {"C" if reply == 201 else "U": _patient(_whose(transaction, request)) + audit.thing(request.address, "12", role="4")}


def _patient(patient, details=()):
    return audit.patient(patient, patient, details=details) if patient else ""


class Transaction(NamedTuple):
    """How a transaction is recorded.

    name    : what the EventTypeCode calls it
    events  : (EventID, EventActionCode) at who answers, and at who asks; the code is None where the objects say it
    objects : a function (transaction, request, reply, outcome) that gives the participating objects, or a record for each
              {EventActionCode: objects}
    """

    name: str
    events: tuple
    objects: object


_QUERIED = ((ASKED, "E"), (ASKED, "E"))
_TAKEN, _GIVEN, _SENT = ((IMPORT, "C"), (EXPORT, "R")), ((EXPORT, "R"), (IMPORT, "C")), ((TRANSFERRED, "R"), (TRANSFERRED, "C"))
_FED, _NOTIFIED = ((PATIENT_RECORD, None), (PATIENT_RECORD, None)), ((PATIENT_RECORD, "U"), (PATIENT_RECORD, "R"))
TRANSACTIONS = {
    "ITI-8": Transaction("Patient Identity Feed", _FED, _v2_feed),
    "ITI-9": Transaction("PIX Query", _QUERIED, _v2_query),
    "ITI-10": Transaction("PIX Update Notification", _NOTIFIED, _v2_notification),
    "ITI-18": Transaction("Registry Stored Query", _QUERIED, _stored_query),
    "ITI-21": Transaction("Patient Demographics Query", _QUERIED, _v2_query),
    "ITI-30": Transaction("Patient Identity Management", _FED, _v2_feed),
    "ITI-38": Transaction("Cross Gateway Query", _QUERIED, _stored_query),
    "ITI-39": Transaction("Cross Gateway Retrieve", _GIVEN, _documents),
    "ITI-41": Transaction("Provide and Register Document Set-b", _TAKEN, _submission),
    "ITI-42": Transaction("Register Document Set-b", _TAKEN, _submission),
    "ITI-43": Transaction("Retrieve Document Set", _GIVEN, _documents),
    "ITI-44": Transaction("Patient Identity Feed", _FED, _v3_feed),
    "ITI-45": Transaction("PIX Query", _QUERIED, _v3_query),
    "ITI-47": Transaction("Patient Demographics Query", _QUERIED, _v3_query),
    "ITI-65": Transaction("Provide Document Bundle", _TAKEN, _bundle),
    "ITI-66": Transaction("Find Document Lists", _QUERIED, _fhir_query),
    "ITI-67": Transaction("Find Document References", _QUERIED, _fhir_query),
    "ITI-68": Transaction("Retrieve Document", _GIVEN, _fhir_document),
    "ITI-78": Transaction("Mobile Patient Demographics Query", _QUERIED, _fhir_query),
    "ITI-83": Transaction("Mobile Patient Identifier Cross-reference Query", _QUERIED, _fhir_query),
    "ITI-104": Transaction("Patient Identity Feed FHIR", _FED, _fhir_feed),
    "ITI-119": Transaction("Patient Demographics Match", _QUERIED, _fhir_query),
    "RAD-69": Transaction("Retrieve Imaging Document Set", _SENT, _images),
}
EVENTS = {                  # of HL7 v2 (3.8.4, 3.9.4, 3.21.4, 3.30.4): which transaction each belongs to
    **dict.fromkeys(("ADT^A01", "ADT^A04", "ADT^A05", "ADT^A08", "ADT^A40"), "ITI-8"), "ADT^A28": "ITI-30", "ADT^A31": "ITI-30",
    "QBP^Q22": "ITI-21", "QBP^Q23": "ITI-9"}


def over_mllp(message):
    """The transaction that a message to a manager or registry belongs to, "" for none. A merge in version 2.5 is ITI-30 (3.30.5.1)."""
    managed = message.event == "ADT^A40" and message["MSH-12"].startswith("2.5")
    return "ITI-30" if managed else EVENTS.get(message.event, "")
