"""What document sharing leaves in the audit trail: a record for each transaction, from whoever took part (IHE ITI TF-2 3.x.5.1).

    with AuditRepository() as trail, Registry(...) as registry:
        registry.audit = TransactionAudit(AuditSender("127.0.0.1", trail.port), "nmh-registry")

Sources: ITI TF-2 3.18.5.1, 3.41.5.1, 3.42.5.1, 3.43.5.1 (which event, who, what); 3.20 (ATNA); PS3.15 A.5.
"""

from datetime import UTC, datetime

from coursekit.standards import audit, xml
from coursekit.standards.xds import facts, metadata
from coursekit.standards.xds.facts import QUERY, RIM, SET, XDSB
from coursekit.systems.audit_repository import Unsent

NAMES = {"ITI-18": "Registry Stored Query", "ITI-41": "Provide and Register Document Set-b", "ITI-42": "Register Document Set-b",
         "ITI-43": "Retrieve Document Set"}
IMPORT, EXPORT, ASKED = "110107", "110106", "110112"
SOURCE, DESTINATION = "110153", "110152"


class TransactionAudit:
    """Writes the records of one actor, which answers requests.

    sender : an AuditSender; what it can't send it keeps, and no transaction fails for it
    host   : the name of the actor's computer
    clock  : a function that gives EventDateTime
    """

    def __init__(self, sender, host, clock=None):
        self.sender, self.host = sender, host
        self._clock = clock or (lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))

    def note(self, name, transaction, caller, request, reply, outcome):
        """Note a transaction that `name` has answered.

        caller  : who asked
        request, reply : the soap.Message; reply is None when it was answered with a fault
        outcome : "0" success, "8" serious failure
        """
        if transaction not in NAMES:
            return
        when = self._clock()
        given_out = transaction == "ITI-43"
        event, action = (ASKED, "E") if transaction == "ITI-18" else (EXPORT, "R") if given_out else (IMPORT, "C")
        # Whoever sends documents or metadata, or asks, is the source; for a retrieval that is the repository (3.43.5.1.2).
        roles = (DESTINATION, SOURCE) if given_out else (SOURCE, DESTINATION)
        people = (audit.participant(caller or "unknown", not given_out, (roles[0],), host="127.0.0.1")
                  + audit.participant(name, given_out, (roles[1],), host=self.host))
        objects = {"ITI-18": _query, "ITI-43": _documents}.get(transaction, _submission)(request.body)
        text = audit.message(event, action, when, people, name, objects, outcome, (transaction, NAMES[transaction]))
        try:
            self.sender.send(audit.syslog(text, when, self.host, name, kind="IHE+RFC-3881", bom=False))
        except Unsent:
            pass


def _submission(body):
    listed = body if body.find(f"{{{RIM}}}RegistryObjectList") is not None else body.find(f"{{{facts.LCM}}}SubmitObjectsRequest")
    listed = listed.find(f"{{{RIM}}}RegistryObjectList") if listed is not None else None
    entries = metadata.read(listed)[0] if listed is not None else []
    held = next((entry for entry in entries if entry.kind == SET), None)
    if held is None:
        return ""
    return (audit.patient(held.get("patientId", ""), held.get("patientId", ""))
            + audit.thing(held.get("uniqueId", ""), audit.SUBMISSION_SET, role="20"))


def _query(body):
    asked = body.find(f"{{{RIM}}}AdhocQuery") if body.tag == f"{{{QUERY}}}AdhocQueryRequest" else None
    if asked is None:
        return ""
    patient = next(((value.text or "").strip("'") for slot in asked if slot.get("name", "").lower().endswith("patientid")
                    for value in slot.iter(f"{{{RIM}}}Value")), None)
    return ((audit.patient(patient, patient) if patient else "")
            + audit.thing(asked.get("id", ""), "ITI-18", role="24", query=xml.encode(body),
                          details=(("QueryEncoding", "UTF-8"),)))


def _documents(body):
    return "".join(audit.thing(asked.findtext(f"{{{XDSB}}}DocumentUniqueId", ""), "9", role="3", details=(
        ("Repository Unique Id", asked.findtext(f"{{{XDSB}}}RepositoryUniqueId", "")),)) for asked in body.iterfind(f"{{{XDSB}}}DocumentRequest"))
