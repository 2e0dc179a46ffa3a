"""What actors leave in the audit trail: a record for each transaction, from whoever took part, and one for whom was refused and why.

    with AuditRepository() as trail, Registry(...) as registry:
        registry.audit = TransactionAudit(AuditSender("127.0.0.1", trail.port), "nmh-registry")

Sources: IHE ITI TF-2 3.x.5.1 of each transaction (which event, who, what), 3.38.4.1.4 (gateways), 3.40.4.2 (a user's assertion), 3.20
(ATNA); PIXm and PDQm (ITI-83, ITI-78, ITI-119); BALP, AuthZconsent (a decision on consent); PS3.15 A.5.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from coursekit.standards import audit, xml
from coursekit.standards.xds import facts, metadata
from coursekit.standards.xds.facts import QUERY, RIM, SET, XDSB
from coursekit.systems.audit_repository import Unsent
from coursekit.systems.system import HOST

IMPORT, EXPORT, ASKED, TRANSFERRED, ALERT, AUTHENTICATION = "110107", "110106", "110112", "110104", "110113", "110114"
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
    """

    def __init__(self, sender, host, clock=None):
        self.sender, self.host = sender, host
        self._clock = clock or (lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))

    def note(self, name, transaction, caller, request, reply, told, responder=None):
        """Note a transaction that `name` has answered.

        caller    : who asked
        request, reply : the soap.Message; an hl7.Message for ITI-9 and ITI-21, a FhirQuery for those of FHIR; reply is None for a fault
        told      : what was answered; it begins with Success, PartialSuccess or Failure
        responder : how the record names the actor, if not by `name`
        """
        self._note(name, transaction, caller, responder or name, request, reply, told, True)

    def asked(self, name, transaction, url, request, reply, told):
        """Note a transaction that `name` has asked another actor for, at a URL; as of `note`."""
        self._note(name, transaction, name, url, request, reply, told, False)

    def _note(self, name, transaction, caller, responder, request, reply, told, answered):
        row = TRANSACTIONS.get(transaction)
        if row is None:
            return
        event, action = row.events[0 if answered else 1]
        given_out = row.events[0][0] in (EXPORT, TRANSFERRED)
        # Whoever sends documents or metadata, or asks, is the source; for a retrieval that is who gives out (3.43.5.1.2).
        roles = (DESTINATION, SOURCE) if given_out else (SOURCE, DESTINATION)
        hosts = (HOST, self.host) if answered else (self.host, HOST)
        user = getattr(request, "user", None)
        # There is one requestor: a user whom an assertion names, or else the system that asks (PS3.15 Table A.5-1).
        people = (audit.participant(caller or "unknown", not given_out and not user, (roles[0],), host=hosts[0])
                  + audit.participant(responder, given_out and not user, (roles[1],), host=hosts[1]) + _human(user))
        # A success in part is a success and a failure (3.18.5.1, 3.43.5.1).
        for outcome in (FINE, SERIOUS) if told.startswith("PartialSuccess") else (SERIOUS,) if told.startswith("Failure") else (FINE,):
            objects = row.objects(transaction, request, reply, outcome)
            self._send(name, event, action, people, objects, outcome, (transaction, row.name), purpose=_purpose(user))

    def node_refused(self, name, address, reason):
        """Note that `name` and another node, of which the address is all that is known, did not accept each other (ITI-19)."""
        node = audit.thing(address, "110182", role="13", details=(("Alert Description", reason),))
        self._send(name, ALERT, "E", audit.participant(name, False, (APPLICATION,), host=self.host), node, MINOR, NODE_AUTHENTICATION)

    def user_refused(self, name, caller, reason):
        """Note that `name` did not accept what a caller has shown of its user (ITI-40)."""
        people = audit.participant(caller or "unknown", True, host=HOST) + audit.participant(name, False, (APPLICATION,), host=self.host)
        self._send(name, AUTHENTICATION, "E", people, "", SERIOUS, LOGIN, reason)

    def decided(self, name, user, patient, documents, permit, reason, emergency):
        """Note a decision on consent, for documents of one patient.

        user      : who wants to see them: has `user`, `roles` and `purpose` as an ``xua.Assertion`` has
        documents : their uniqueIds
        """
        people = audit.participant(name, False, (APPLICATION,), host=self.host) + _human(user)
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
    if held is None:
        return ""
    return (audit.patient(held.get("patientId", ""), held.get("patientId", ""))
            + audit.thing(held.get("uniqueId", ""), audit.SUBMISSION_SET, role="20"))


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


class FhirQuery(NamedTuple):
    """A query of FHIR as it is audited: the address that was asked and the body, bytes, and the CX of the patient that it names, or ""."""

    address: str
    body: bytes
    patient: str = ""


def _fhir_query(transaction, request, reply, outcome):
    return _patient(request.patient) + audit.thing(request.address.partition("?")[0], transaction, role="24",
                                                   query=request.address.encode() + (b"\n" + request.body if request.body else b""))


def _patient(patient):
    return audit.patient(patient, patient) if patient else ""


class Transaction(NamedTuple):
    """How a transaction is recorded.

    name    : what the EventTypeCode calls it
    events  : (EventID, EventActionCode) at who answers, and at who asks
    objects : a function (transaction, request, reply, outcome) that gives the participating objects
    """

    name: str
    events: tuple
    objects: object


_QUERIED = ((ASKED, "E"), (ASKED, "E"))
_TAKEN, _GIVEN, _SENT = ((IMPORT, "C"), (EXPORT, "R")), ((EXPORT, "R"), (IMPORT, "C")), ((TRANSFERRED, "R"), (TRANSFERRED, "C"))
TRANSACTIONS = {
    "ITI-9": Transaction("PIX Query", _QUERIED, _v2_query),
    "ITI-18": Transaction("Registry Stored Query", _QUERIED, _stored_query),
    "ITI-21": Transaction("Patient Demographics Query", _QUERIED, _v2_query),
    "ITI-38": Transaction("Cross Gateway Query", _QUERIED, _stored_query),
    "ITI-39": Transaction("Cross Gateway Retrieve", _GIVEN, _documents),
    "ITI-41": Transaction("Provide and Register Document Set-b", _TAKEN, _submission),
    "ITI-42": Transaction("Register Document Set-b", _TAKEN, _submission),
    "ITI-43": Transaction("Retrieve Document Set", _GIVEN, _documents),
    "ITI-45": Transaction("PIX Query", _QUERIED, _v3_query),
    "ITI-47": Transaction("Patient Demographics Query", _QUERIED, _v3_query),
    "ITI-78": Transaction("Mobile Patient Demographics Query", _QUERIED, _fhir_query),
    "ITI-83": Transaction("Mobile Patient Identifier Cross-reference Query", _QUERIED, _fhir_query),
    "ITI-119": Transaction("Patient Demographics Match", _QUERIED, _fhir_query),
    "RAD-69": Transaction("Retrieve Imaging Document Set", _SENT, _images),
}
