"""DICOM audit messages (PS3.15 A.5) in syslog messages (RFC 5424), one after the other on a stream (RFC 5425, 6587).

Writing puts texts together, which is several times as fast as building a tree; reading uses xml.etree, and refuses a
document type declaration, so that no entity is ever expanded. Nothing here opens a connection.
"""

import base64
import re
import xml.etree.ElementTree as ElementTree
from functools import lru_cache
from typing import NamedTuple

# Codes of PS3.16 Annex D, with the meanings that originalText holds.
EVENTS = {                                                                                              # CID 400
    "110100": "Application Activity", "110101": "Audit Log Used", "110102": "Begin Transferring DICOM Instances",
    "110103": "DICOM Instances Accessed", "110104": "DICOM Instances Transferred", "110105": "DICOM Study Deleted",
    "110106": "Export", "110107": "Import", "110108": "Network Entry", "110109": "Order Record",
    "110110": "Patient Record", "110111": "Procedure Record", "110112": "Query", "110113": "Security Alert",
    "110114": "User Authentication",
}
EVENT_TYPES = {                                                                                         # CID 403
    "110120": "Application Start", "110121": "Application Stop", "110122": "Login", "110123": "Logout",
    "110124": "Attach", "110125": "Detach", "110126": "Node Authentication", "110127": "Emergency Override Started",
    "110128": "Network Configuration", "110129": "Security Configuration", "110130": "Hardware Configuration",
    "110131": "Software Configuration", "110132": "Use of Restricted Function", "110133": "Audit Recording Stopped",
    "110134": "Audit Recording Started", "110137": "User Security Attributes Changed",
    "110138": "Emergency Override Stopped",
}
ROLES = {                                                                                               # CID 402
    "110150": "Application", "110151": "Application Launcher", "110152": "Destination Role ID",
    "110153": "Source Role ID", "110154": "Destination Media", "110155": "Source Media",
}
IHE = "IHE Transactions"                      # what identifies the codes of IHE's transactions (ITI TF-2 3.20.7.1)
SUBMISSION_SET = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd"              # ITI TF-2 3.41.5.1.1
ID_TYPES = {                                                                            # CID 404, and RFC 3881 5.5.4
    SUBMISSION_SET: ("IHE XDS Metadata", "submission set classificationNode"),
    "ITI-9": (IHE, "PIX Query"), "ITI-18": (IHE, "Registry Stored Query"), "ITI-21": (IHE, "Patient Demographics Query"),
    "ITI-45": (IHE, "PIX Query"), "ITI-47": (IHE, "Patient Demographics Query"), "ITI-66": (IHE, "Find Document Lists"),
    "ITI-67": (IHE, "Find Document References"), "ITI-78": (IHE, "Mobile Patient Demographics Query"),
    "ITI-83": (IHE, "Mobile Patient Identifier Cross-reference Query"), "ITI-119": (IHE, "Patient Demographics Match"),
    "110180": ("DCM", "Study Instance UID"), "110181": ("DCM", "SOP Class UID"), "110182": ("DCM", "Node ID"),
    "2": ("RFC-3881", "Patient Number"), "9": ("RFC-3881", "Report Number"), "12": ("RFC-3881", "URI"),
}
ACTIONS, OUTCOMES = ("C", "R", "U", "D", "E"), ("0", "4", "8", "12")
SECURITY, NOTICE, WARNING = 10, 5, 4          # facility and severities of PS3.15 A.6: PRI 85, or 84
MOST_OCTETS = 32768                           # what a receiver supports at least, PS3.15 A.6
BOM = "\ufeff"                                # RFC 5424 6.4: begins a MSG that says it is UTF-8


class Malformed(ValueError):
    """Text that is no audit message, or no syslog message; the sentence says where it goes wrong."""


# ---- writing

NO_XML = (*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF)          # XML 1.0, 2.2
ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;",
                         **dict.fromkeys(map(chr, NO_XML), "\ufffd")})


def attributes(**values):
    """' name="value"' for each of `values` that is not None, in the order given."""
    return "".join([f' {name}="{str(value).translate(ESCAPES)}"' for name, value in values.items() if value is not None])


def base64_of(value):
    """`value` (str as UTF-8, or bytes) in base64, as the schema wants values that might hold anything."""
    return base64.b64encode(value.encode("utf-8", "replace") if isinstance(value, str) else value).decode("ascii")


@lru_cache(maxsize=256)
def coded(element, code, system, meaning):
    """A coded element of the schema's CodedValueType."""
    return f"<{element}" + attributes(**{_CODED: code}, codeSystemName=system, originalText=meaning) + "/>"


def participant(user_id, requestor, roles=(), name=None, alternative=None, host=None, media=None):
    """An ActiveParticipant.

    user_id     : account, or the process; an AE title is an `alternative` of the form 'AETITLES=HV_PACS' (A.5.2.2)
    requestor   : whether it began what is reported; at most one participant may
    roles       : codes of ROLES, or (code, system, meaning) of others
    host        : IPv4 address or machine name of its network access point
    media       : (code, meaning) of the medium, DCM, for an export or import
    """
    inner = "".join([coded("RoleIDCode", *(role if isinstance(role, tuple) else (role, "DCM", ROLES[role]))) for role in roles])
    if media:
        inner += f"<MediaIdentifier>{coded('MediaType', media[0], 'DCM', media[1])}</MediaIdentifier>"
    kind = None if host is None else "2" if re.fullmatch(r"[\d.]+", host) else "1"
    begin = "<ActiveParticipant" + attributes(
        UserID=user_id, AlternativeUserID=alternative, UserName=name, UserIsRequestor="true" if requestor else "false",
        NetworkAccessPointID=host, NetworkAccessPointTypeCode=kind)
    return f"{begin}>{inner}</ActiveParticipant>" if inner else begin + "/>"


def thing(identifier, id_type, name=None, kind="2", role=None, stage=None, sensitivity=None, query=None, details=(),
          description=""):
    """A ParticipantObjectIdentification.

    id_type     : a code of ID_TYPES
    name, query : one of them, as the schema wants; `query` are the bytes of the query's data set
    details     : (type, value) pairs, written in base64
    description : the XML inside ParticipantObjectDescription, from `contents`
    """
    system, meaning = ID_TYPES[id_type]
    if query is None:
        inner = f"<ParticipantObjectName>{(name or identifier).translate(ESCAPES)}</ParticipantObjectName>"
    else:
        inner = f"<ParticipantObjectQuery>{base64_of(query)}</ParticipantObjectQuery>"
    inner += "".join([f"<ParticipantObjectDetail{attributes(type=key, value=base64_of(value))}/>" for key, value in details])
    if description:
        inner += f"<ParticipantObjectDescription>{description}</ParticipantObjectDescription>"
    begin = "<ParticipantObjectIdentification" + attributes(
        ParticipantObjectID=identifier, ParticipantObjectTypeCode=kind, ParticipantObjectTypeCodeRole=role,
        ParticipantObjectDataLifeCycle=stage, ParticipantObjectSensitivity=sensitivity)
    return f"{begin}>{coded('ParticipantObjectIDTypeCode', id_type, system, meaning)}{inner}</ParticipantObjectIdentification>"


def patient(patient_id, name, sensitivity=None, details=()):
    """A patient as participating object: role 1, identified by (2, RFC-3881, "Patient Number")."""
    return thing(patient_id, "2", name, kind="1", role="1", sensitivity=sensitivity, details=details)


def contents(accession=None, sop_classes=(), mpps=None):
    """What ParticipantObjectDescription says of a study; `sop_classes`: (UID, number of instances) pairs."""
    return ((f"<MPPS{attributes(UID=mpps)}/>" if mpps else "")
            + (f"<Accession{attributes(Number=accession)}/>" if accession else "")
            + "".join([f"<SOPClass{attributes(UID=uid, NumberOfInstances=count)}/>" for uid, count in sop_classes]))


def study(study_uid, name=None, accession=None, sop_classes=(), stage=None):
    """A study as participating object: role 3, identified by (110180, DCM, "Study Instance UID").

    The description must name SOP classes as soon as it holds anything (Table A.5.2-1). Where none are known, as for a
    study that is only ordered, the accession number is a detail instead.
    """
    if sop_classes:
        return thing(study_uid, "110180", name, role="3", stage=stage, description=contents(accession, sop_classes))
    return thing(study_uid, "110180", name, role="3", stage=stage,
                 details=(("AccessionNumber", accession),) if accession else ())


def message(event, action, when, participants, source, objects="", outcome="0", event_type=None, explanation=None,
            site=None, source_type=None, purpose=None):
    """One audit message as XML text on one line, without a declaration.

    event, event_type     : codes of EVENTS and EVENT_TYPES; as event type also (code, meaning) of a transaction of IHE's, and
                            (code, system, meaning) of others
    action, outcome       : one of ACTIONS and of OUTCOMES
    when                  : EventDateTime, xsd:dateTime
    participants, objects : the texts of `participant` and `thing`, joined
    source, site          : AuditSourceID and AuditEnterpriseSiteID; `source_type` a digit of A.5.1.2.1
    purpose               : PurposeOfUse, (code, system, meaning)
    """
    parts = [f'<AuditMessage><EventIdentification EventActionCode="{action}" EventDateTime="{when}" '
             f'EventOutcomeIndicator="{outcome}">', coded("EventID", event, "DCM", EVENTS[event])]
    if event_type:
        system = "DCM" if isinstance(event_type, str) else IHE if len(event_type) == 2 else event_type[1]
        code, meaning = (event_type, EVENT_TYPES[event_type]) if system == "DCM" else (event_type[0], event_type[-1])
        parts.append(coded("EventTypeCode", code, system, meaning))
    if explanation:
        parts.append(f"<EventOutcomeDescription>{explanation.translate(ESCAPES)}</EventOutcomeDescription>")
    if purpose:
        parts.append(coded("PurposeOfUse", *purpose))
    parts += ["</EventIdentification>", participants, audit_source(source, site, source_type), objects, "</AuditMessage>"]
    return "".join(parts)


@lru_cache(maxsize=256)
def audit_source(source, site, source_type):
    """The AuditSourceIdentification."""
    begin = "<AuditSourceIdentification" + attributes(AuditEnterpriseSiteID=site, AuditSourceID=source)
    if source_type is None:
        return begin + "/>"
    return f'{begin}><AuditSourceTypeCode csd-code="{source_type}"/></AuditSourceIdentification>'


# ---- reading

class _Tree(ElementTree.TreeBuilder):
    """Builds the tree, and refuses a document type: only there could entities be declared."""

    def doctype(self, name, pubid, system):
        raise Malformed("the message has a document type declaration, which an audit message never needs")


def tree(xml):
    """The root element of an audit message, given as str or bytes. Raises Malformed when it is no such XML."""
    parser = ElementTree.XMLParser(target=_Tree())
    try:
        parser.feed(xml.lstrip(BOM) if isinstance(xml, str) else xml.removeprefix(BOM.encode()))
        return parser.close()
    except ElementTree.ParseError as error:
        raise Malformed(f"the message is not well-formed XML: {error}") from None


_CODED = "csd-code"
_PARTS = (("EventIdentification", 1, 1), ("ActiveParticipant", 1, None), ("AuditSourceIdentification", 1, 1),
          ("ParticipantObjectIdentification", 0, None))
_CODED_ELEMENTS = ("EventID", "EventTypeCode", "RoleIDCode", "MediaType", "ParticipantObjectIDTypeCode")
_DATE_TIME = re.compile(r"-?\d{4,}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?"
                        r"(Z|[+-](0\d|1[0-4]):[0-5]\d)?")
_MANDATORY = {"ActiveParticipant": ("UserID", "UserIsRequestor"), "AuditSourceIdentification": ("AuditSourceID",),
              "ParticipantObjectIdentification": ("ParticipantObjectID",),
              "EventIdentification": ("EventDateTime", "EventOutcomeIndicator")}


def problems(xml):
    """What keeps `xml` from being an audit message of the schema in PS3.15 A.5.1: a list of sentences, empty if nothing.

    It looks at structure, attributes that must be there, coded values and enumerated values; it is not a full
    RELAX NG validator, but finds what senders of the older RFC 3881 form get wrong.
    """
    try:
        root = tree(xml)
    except Malformed as error:
        return [str(error)]
    if root.tag != "AuditMessage":
        return [f"the root is {root.tag}, not AuditMessage"]
    found = []
    order = [child.tag for child in root]
    for name, least, most in _PARTS:
        count = order.count(name)
        if count < least:
            found.append(f"{name} is missing")
        elif most and count > most:
            found.append(f"{name} is there {count} times")
    known = [name for name, *_ in _PARTS]
    found += [f"{name} does not belong into AuditMessage" for name in order if name not in known]
    places = [known.index(name) for name in order if name in known]
    if places != sorted(places):
        found.append("the parts of AuditMessage are not in the order of the schema")
    for child in root:
        found += [f"{child.tag} has no {name}" for name in _MANDATORY.get(child.tag, ()) if name not in child.attrib]
    found += _event_problems(root.find("EventIdentification"))
    for element in root.iter():
        if element.tag in _CODED_ELEMENTS:
            if "code" in element.attrib:
                found.append(f"{element.tag} has the attribute code of RFC 3881, not {_CODED}")
            found += [f"{element.tag} has no {name}" for name in (_CODED, "codeSystemName", "originalText")
                      if name not in element.attrib]
    for element in root.iter("ActiveParticipant"):
        if element.get("UserIsRequestor") not in (None, "true", "false", "1", "0"):
            found.append("UserIsRequestor is neither true nor false")
    for element in root.iter("ParticipantObjectIdentification"):
        if element.find("ParticipantObjectIDTypeCode") is None:
            found.append("ParticipantObjectIDTypeCode is missing")
        if (element.find("ParticipantObjectName") is None) == (element.find("ParticipantObjectQuery") is None):
            found.append("ParticipantObjectIdentification needs either ParticipantObjectName or ParticipantObjectQuery")
    return found


def _event_problems(event):
    if event is None:
        return []
    found = []
    if event.find("EventID") is None:
        found.append("EventID is missing")
    if event.get("EventActionCode", "R") not in ACTIONS:
        found.append(f"EventActionCode {event.get('EventActionCode')!r} is none of {', '.join(ACTIONS)}")
    if event.get("EventOutcomeIndicator", "0") not in OUTCOMES:
        found.append(f"EventOutcomeIndicator {event.get('EventOutcomeIndicator')!r} is none of {', '.join(OUTCOMES)}")
    if not _DATE_TIME.fullmatch(event.get("EventDateTime", "2000-01-01T00:00:00")):
        found.append(f"EventDateTime {event.get('EventDateTime')!r} is no xsd:dateTime")
    return found


def read(xml):
    """An audit message as a dict, whichever of csd-code and the older code it uses.

    Keys: event, event_types (list), action, outcome, when (as sent), explanation, source, site,
    participants: list of dict (user_id, name, alternative, requestor, host, roles),
    objects: list of dict (id, id_type, type, role, name, query (bytes), details: {type: bytes}, accessions,
    sop_classes: {uid: instances}).

    Raises Malformed when it is no XML. What is absent is None or empty: `problems` judges.
    """
    root = tree(xml)
    event = root.find("EventIdentification")
    event = ElementTree.Element("EventIdentification") if event is None else event
    source = root.find("AuditSourceIdentification")
    source = ElementTree.Element("AuditSourceIdentification") if source is None else source
    return {
        "event": _code(event.find("EventID")), "event_types": [_code(kind) for kind in event.findall("EventTypeCode")],
        "action": event.get("EventActionCode"), "outcome": event.get("EventOutcomeIndicator"),
        "when": event.get("EventDateTime"), "explanation": event.findtext("EventOutcomeDescription"),
        "source": source.get("AuditSourceID"), "site": source.get("AuditEnterpriseSiteID"),
        "participants": [{
            "user_id": one.get("UserID"), "name": one.get("UserName"), "alternative": one.get("AlternativeUserID"),
            "requestor": one.get("UserIsRequestor") in ("true", "1"), "host": one.get("NetworkAccessPointID"),
            "roles": [_code(role) for role in one.findall("RoleIDCode")],
        } for one in root.findall("ActiveParticipant")],
        "objects": [_thing(one) for one in root.findall("ParticipantObjectIdentification")],
    }


def _thing(element):
    query = element.findtext("ParticipantObjectQuery")
    return {
        "id": element.get("ParticipantObjectID"), "id_type": _code(element.find("ParticipantObjectIDTypeCode")),
        "type": element.get("ParticipantObjectTypeCode"), "role": element.get("ParticipantObjectTypeCodeRole"),
        "name": element.findtext("ParticipantObjectName"), "query": None if query is None else base64.b64decode(query),
        "details": {one.get("type"): base64.b64decode(one.get("value", ""))
                    for one in element.findall("ParticipantObjectDetail")},
        "accessions": [one.get("Number") for one in element.iter("Accession")],
        "sop_classes": {one.get("UID"): int(one.get("NumberOfInstances", 0)) for one in element.iter("SOPClass")},
    }


def _code(element):
    return None if element is None else element.get(_CODED, element.get("code"))


# ---- syslog

class Syslog(NamedTuple):
    """A syslog message (RFC 5424 section 6). `sequence` is sequenceId of its meta element (7.3.1), or None."""

    facility: int
    severity: int
    when: str
    host: str
    application: str
    process: str
    kind: str
    data: str
    sequence: int | None
    text: str


def syslog(xml, when, host, application, process="-", kind="DICOM+RFC3881", sequence=None, severity=NOTICE, bom=True):
    """The syslog message, a str, that carries the audit message `xml`; its octets are its UTF-8 encoding.

    kind     : MSGID, which PS3.15 A.6 wants to be set; IHE senders say 'IHE+RFC-3881'
    sequence : sequenceId (RFC 5424 7.3.1), by which a receiver notices loss
    bom      : whether MSG begins with the byte order mark (RFC 5424 6.4)
    """
    data = "-" if sequence is None else f'[meta sequenceId="{sequence}"]'
    return f"<{8 * SECURITY + severity}>1 {when} {host} {application} {process} {kind} {data} {BOM if bom else ''}{xml}"


_HEADER = re.compile(r"<(\d{1,3})>(\d{1,3}) (\S+) (\S{1,255}) (\S{1,48}) (\S{1,128}) (\S{1,32}) "
                     r'(-|(?:\[[^ =\]"]{1,32}(?: [^ =\]"]{1,32}="(?:[^"\\\]]|\\.)*")*\])+)(?: (.*))?', re.DOTALL)


def read_syslog(octets):
    """A syslog message (bytes, or str) as a Syslog; `text` is the MSG without byte order mark.

    Raises Malformed when the header is none of RFC 5424.
    """
    try:
        text = octets.decode("utf-8") if isinstance(octets, (bytes, bytearray)) else octets
    except UnicodeDecodeError as error:
        raise Malformed(f"octet {error.start} is not UTF-8") from None
    found = _HEADER.fullmatch(text)
    if not found or int(found[1]) > 191 or found[2] != "1":
        raise Malformed("there is no header of RFC 5424 at the beginning")
    sequence = re.search(r'\[meta [^\]]*?sequenceId="(\d+)"', found[8])
    return Syslog(int(found[1]) // 8, int(found[1]) % 8, *found.groups()[2:7], found[8],
                  int(sequence[1]) if sequence else None, (found[9] or "").removeprefix(BOM))


def frame(text):
    """The octets of a syslog message on a stream: their number, a blank, the message (RFC 5425 4.3, RFC 6587 3.4.1)."""
    octets = text if isinstance(text, bytes) else text.encode("utf-8")
    return b"%d %b" % (len(octets), octets)


class Deframer:
    """Takes what arrives on a stream, in pieces of any size, and gives the syslog messages that are complete."""

    def __init__(self, most=16 * MOST_OCTETS):
        self._waiting, self._most = bytearray(), most

    def feed(self, octets):
        """The messages (list of bytes) that are complete now.

        Raises Malformed when what comes next is no length, or one of more than `most` octets, and no message is complete before it: the stream
        is lost. (After an answer, ``feed(b"")`` says at once whether it is.)
        """
        self._waiting += octets
        messages, place = [], 0
        while True:
            blank = self._waiting.find(b" ", place, place + 12)
            length = bytes(self._waiting[place:blank if blank >= 0 else place + 12])
            wrong = length and (not length.isdigit() or length.startswith(b"0") or int(length) > self._most
                                or blank < 0 and len(length) == 12) or blank == place
            if wrong and not messages:                  # what is complete before it is given first
                raise Malformed(f"{length!r} is not the length of a message")
            if wrong or blank < 0 or len(self._waiting) < blank + 1 + int(length):
                break
            messages.append(bytes(self._waiting[blank + 1:blank + 1 + int(length)]))
            place = blank + 1 + int(length)
        del self._waiting[:place]
        return messages

    @property
    def waiting(self):
        """The number of octets that wait for the rest of their message."""
        return len(self._waiting)
