"""Shared documents in FHIR R4, as IHE MHD maps them to XDS: DocumentReference and List, to and from metadata, by one table.

    resource = to_fhir(entry, url="http://.../Binary/1")        # an Entry as DocumentReference or List
    entry = from_fhir(resource)                                  # and back

What FHIR has no place for is lost on the way: hours and minutes without seconds, the parts of a telephone number, all institutions of an
author but the first, all authors of a submission set but the first, homeCommunityId, logicalID, and slots beyond the profile's.

Sources: IHE MHD 4.2.3, 3:4.5.1 (mapping of attributes), 2:3.65 to 2:3.67 (search parameters, associations, status); ITI TF-2 Appendix Z.9.1
(identifiers); CP-ITI-1325 (hash); FHIR R4 datatypes, Terminologies (names of code systems).
"""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from coursekit.errors import CourseError
from coursekit.standards.xds import facts
from coursekit.standards.xds.facts import DOCUMENT, FOLDER, SET
from coursekit.standards.xds.metadata import Author, Code, Entry, is_oid, is_uuid

PROFILES = "https://profiles.ihe.net/ITI/MHD/StructureDefinition/"
LIST_TYPES = "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes"
URI = "urn:ietf:rfc:3986"               # the system of an identifier that is a URI itself (Z.9.1)
OID, UUID = "urn:oid:", "urn:uuid:"
ENCOUNTER = "urn:ihe:iti:xds:2015:encounterId"

PROFILE = {DOCUMENT: "IHE.MHD.Comprehensive.DocumentReference", SET: "IHE.MHD.Comprehensive.SubmissionSet",
           FOLDER: "IHE.MHD.Comprehensive.Folder"}
RESOURCE = {DOCUMENT: "DocumentReference", SET: "List", FOLDER: "List"}
LIST_CODE = {SET: "submissionset", FOLDER: "folder"}
STATUS = {facts.APPROVED: "current", facts.DEPRECATED: "superseded"}                # Table 2:3.67.4.1.3.1-2
LIST_STATUS = {facts.APPROVED: "current", facts.DEPRECATED: "retired"}
RELATES = {                             # ConceptMap AssociationTypeVsRelatesTo; the first of a code is what it's read as
    facts.RPLC: "replaces", facts.XFRM: "transforms", facts.APND: "appends", facts.SIGNS: "signs", facts.XFRM_RPLC: "replaces",
    facts.SNAPSHOT: "transforms"}
GENDERS = {"F": "female", "M": "male", "O": "other", "U": "unknown"}
SYSTEMS = {             # coding schemes that have a name of their own in FHIR (FHIR R4 4.3, IHE FormatCode, DICOM PS3.16 Table 8-1)
    "2.16.840.1.113883.6.1": "http://loinc.org", "2.16.840.1.113883.6.96": "http://snomed.info/sct",
    "2.16.840.1.113883.5.25": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
    "1.2.840.10008.2.16.4": "http://dicom.nema.org/resources/ontology/DCM",
    "1.2.840.10008.2.6.1": "http://dicom.nema.org/resources/ontology/DCMUID",
    "1.3.6.1.4.1.19376.1.2.3": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode"}
SCHEMES = {uri: oid for oid, uri in SYSTEMS.items()}


class BadResource(CourseError, ValueError):
    """A resource that can't be read as metadata, in a sentence that says where."""


class Row(NamedTuple):
    """A line of the mapping.

    attribute : of XDS metadata
    path      : the element of FHIR; [text] selects the extension whose url ends so, or the identifier whose value begins so
    form      : how the value is written there, a key of `FORMS`
    """

    attribute: str
    path: str
    form: str = "text"


MAPPING = {             # MHD 3:4.5.1.1, 3:4.5.2, 3:4.5.3. Where an attribute has two lines, the first that holds something is read
    DOCUMENT: (
        Row("uniqueId", "masterIdentifier", "unique id"), Row("entryUUID", "identifier[urn:uuid:]", "uuid"),
        Row("availabilityStatus", "status", "status"), Row("typeCode", "type", "concept"), Row("classCode", "category", "concept"),
        Row("patientId", "subject", "patient"), Row("creationTime", "content.attachment.creation", "time"),
        Row("creationTime", "date", "instant"),         # FHIR's time of the DocumentReference, which XDS does not know: it's searched by
        Row("author", "author", "author"), Row("legalAuthenticator", "authenticator", "person"), Row("comments", "description"),
        Row("confidentialityCode", "securityLabel", "concept"), Row("mimeType", "content.attachment.contentType"),
        Row("languageCode", "content.attachment.language"), Row("size", "content.attachment.size", "number"),
        Row("hash", "content.attachment.hash", "hash"), Row("title", "content.attachment.title"),
        Row("formatCode", "content.format", "coding"), Row("eventCodeList", "context.event", "concept"),
        Row("serviceStartTime", "context.period.start", "time"),
        Row("serviceStopTime", "context.period.end", "time"), Row("healthcareFacilityTypeCode", "context.facilityType", "concept"),
        Row("practiceSettingCode", "context.practiceSetting", "concept"), Row("sourcePatientId", "context.sourcePatientInfo", "source id"),
        Row("sourcePatientInfo", "context.sourcePatientInfo", "source info"), Row("referenceIdList", "context.encounter", "encounter"),
        Row("referenceIdList", "context.related", "reference id"),
    ),
    SET: (
        Row("uniqueId", "identifier[urn:oid:]", "unique id"), Row("entryUUID", "identifier[urn:uuid:]", "uuid"),
        Row("availabilityStatus", "status", "list status"), Row("title", "title"), Row("patientId", "subject", "patient"),
        Row("submissionTime", "date", "time"), Row("author", "source", "set author"), Row("comments", "note.text"),
        Row("contentTypeCode", "extension[ihe-designationType].valueCodeableConcept", "concept"),
        Row("sourceId", "extension[ihe-sourceId].valueIdentifier", "source"),
        Row("intendedRecipient", "extension[ihe-intendedRecipient].valueReference", "recipient"),
    ),
    FOLDER: (
        Row("uniqueId", "identifier[urn:oid:]", "unique id"), Row("entryUUID", "identifier[urn:uuid:]", "uuid"),
        Row("availabilityStatus", "status", "list status"), Row("title", "title"), Row("patientId", "subject", "patient"),
        Row("lastUpdateTime", "date", "time"), Row("comments", "note.text"),
        Row("codeList", "extension[ihe-designationType].valueCodeableConcept", "concept"),
    ),
}
LISTS = {"author", "category", "content", "encounter", "event", "extension", "identifier", "note", "related", "securityLabel"}


class Search(NamedTuple):
    """What a search parameter of FHIR asks of a stored query: the ends of the names of its parameters, and how values are written."""

    asks: tuple
    form: str


_WHO = {"patient": Search(("PatientId",), "patient"), "patient.identifier": Search(("PatientId",), "patient id"),
        "status": Search(("Status",), "status"), "identifier": Search((), "identifier")}
SEARCHES = {            # Tables 2:3.67.4.1.3.1-1, 2:3.66.4.1.3.1-1 and -2
    DOCUMENT: {
        **_WHO, "creation": Search(("CreationTime",), "date"), "date": Search(("CreationTime",), "date"),
        "period": Search(("ServiceStartTime", "ServiceStopTime"), "date"), "category": Search(("ClassCode",), "token"),
        "type": Search(("TypeCode",), "token"), "setting": Search(("PracticeSettingCode",), "token"),
        "facility": Search(("HealthcareFacilityTypeCode",), "token"), "event": Search(("EventCodeList",), "token"),
        "security-label": Search(("ConfidentialityCode",), "token"), "format": Search(("FormatCode",), "token"),
        "author.family": Search(("AuthorPerson",), "family"), "author.given": Search(("AuthorPerson",), "given"),
        "related": Search(("ReferenceIdList",), "reference id")},
    SET: {
        **_WHO, "date": Search(("SubmissionTime",), "date"), "designationType": Search(("ContentType",), "token"),
        "sourceId": Search(("SourceId",), "oid"), "source.family": Search(("AuthorPerson",), "family"),
        "source.given": Search(("AuthorPerson",), "given")},
    FOLDER: {**_WHO, "date": Search(("LastUpdateTime",), "date"), "designationType": Search(("CodeList",), "token")},
}


def to_fhir(entry, url=None, patients=""):
    """A DocumentReference or List of an Entry.

    url      : where the document of a DocumentReference is fetched from (ITI-68)
    patients : the base of a FHIR server of patients, whose id of one is the domain, a dot and the number; no literal reference if ""
    """
    kind = entry.kind
    resource = {"resourceType": RESOURCE[kind], "id": entry.id.removeprefix(UUID), "meta": {"profile": [PROFILES + PROFILE[kind]]}}
    if kind != DOCUMENT:
        resource |= {"mode": "working", "code": {"coding": [{"system": LIST_TYPES, "code": LIST_CODE[kind]}]}}
    else:
        resource["content"] = [{"attachment": {"url": url}}]
    resource["status"] = "current"                      # as long as a registry has not said otherwise
    many = {attribute.name for attribute in facts.ATTRIBUTES[kind] if attribute.many}
    for row in MAPPING[kind]:
        if row.attribute in entry:
            values = entry[row.attribute] if row.attribute in many else (entry[row.attribute],)
            for value in values[:1] if row.form == "set author" else values:
                written = FORMS[row.form][0](value, resource)
                if written is not None:
                    _put(resource, row.path.split("."), written)
    if patients and "patientId" in entry:
        identifier = resource["subject"]["identifier"]
        resource["subject"]["reference"] = f"{patients}/Patient/{identifier.get('system', '').removeprefix(OID)}.{identifier['value']}"
    return resource


def from_fhir(resource, others=None):
    """The Entry of a DocumentReference or List, without its entryUUID where the resource says none.

    others : {address: resource} of the bundle that it came in, to which references may lead

    Raises BadResource.
    """
    kind = kind_of(resource)
    if kind is None:
        raise BadResource("It is neither a DocumentReference nor a List whose code says submissionset or folder.")
    reader = _Reader(resource, others or {})
    entry = Entry(kind, {"objectType": facts.STABLE} if kind == DOCUMENT else {})
    for row in MAPPING[kind]:
        try:
            values = [FORMS[row.form][1](found, reader) for found in elements(resource, row.path)]
        except BadResource as problem:
            raise BadResource(f"{RESOURCE[kind]}.{row.path}: {problem}") from None
        except (TypeError, AttributeError, ValueError, KeyError, IndexError):
            raise BadResource(f"{RESOURCE[kind]}.{row.path} is not what it has to be.") from None
        values = [one for value in values for one in (value if isinstance(value, list) else [value]) if one not in (None, "")]
        _refuse_no_text(values, f"{RESOURCE[kind]}.{row.path}")
        attribute = facts.NAMED[kind][row.attribute]
        if attribute.many and values:
            entry.values[row.attribute] = entry.get(row.attribute, ()) + tuple(values)
        elif values:
            entry.values.setdefault(row.attribute, values[0])
    return entry


def kind_of(resource):
    """DOCUMENT, SET or FOLDER of a resource, None if it is none of them."""
    if not isinstance(resource, dict):
        return None
    if resource.get("resourceType") == "List":
        codes = elements(resource, "code.coding.code")
        return next((kind for kind, code in LIST_CODE.items() if code in codes), None)
    return DOCUMENT if resource.get("resourceType") == "DocumentReference" else None


def elements(resource, path):
    """What a resource holds at a path: a list, in which repeated elements stand one after another."""
    found = [resource]
    for step in path.split("."):
        name, _, selector = step.partition("[")
        inside = [one[name] for one in found if isinstance(one, dict) and name in one]
        found = [each for one in inside for each in (one if isinstance(one, list) else [one])]
        if selector:
            found = [one for one in found if isinstance(one, dict) and _selected(one, name, selector[:-1])]
    return found


def _selected(element, name, selector):
    if name == "extension":                             # http: in MHD 4.0, https: since
        return str(element.get("url")).endswith(f"/{selector}")
    return str(element.get("value")).startswith(selector)


def _put(node, steps, value):
    name, _, selector = steps[0].partition("[")
    if len(steps) == 1:
        if name in LISTS:
            node.setdefault(name, []).append(value)
        else:
            node[name] = value
    elif name == "extension":
        node.setdefault(name, []).append({"url": PROFILES + selector[:-1], steps[1]: value})
    else:
        inner = node.setdefault(name, [{}] if name in LISTS else {})
        _put(inner[0] if name in LISTS else inner, steps[1:], value)


_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _refuse_no_text(value, where):
    """Metadata are text that XML can carry."""
    if isinstance(value, (list, tuple)):
        for one in value:
            _refuse_no_text(one, where)
    elif not isinstance(value, str) or _NO_XML.search(value):
        raise BadResource(f"{where} holds what is no text.")


# Identifiers

def cx(identifier):
    """The CX of an Identifier whose system is an OID: P1^^^&2.999.1.9&ISO. Raises BadResource."""
    system, value = identifier.get("system", ""), identifier.get("value", "")
    if not value or not system.startswith(OID):
        raise BadResource(f"the identifier {system}|{value} has no system urn:oid:..., which XDS needs")
    return f"{value}^^^&{system.removeprefix(OID)}&ISO"


def identifier_of(text):
    """The Identifier of a CX or CXi: number, assigning authority, type (Z.9.1.2)."""
    number, _, _, authority, kind = (text.split("^") + [""] * 4)[:5]
    namespace, oid, _ = (authority.split("&") + [""] * 2)[:3]
    made = {"value": number}
    if kind:
        made["type"] = {"coding": [{"system": URI, "code": kind}]}
    if oid:
        made["system"] = OID + oid
    elif namespace:
        made["assigner"] = {"display": namespace}
    elif is_oid(number) or number.startswith("urn:"):   # unique by itself
        made |= {"system": URI, "value": number if number.startswith("urn:") else OID + number}
    return made


def numbered(identifier):
    """(number, assigning authority as HD) of an Identifier, "" for what it lacks."""
    system, number = identifier.get("system", ""), identifier.get("value", "")
    if system.startswith(OID):
        return number, f"&{system.removeprefix(OID)}&ISO"
    return number.removeprefix(OID) if system == URI else number, (elements(identifier, "assigner.display") or [""])[0]


def _write_reference(text, resource, encounter=False):
    return {"identifier": identifier_of(text)} if (f"^{ENCOUNTER}" in text) == encounter else None


def _read_reference(element, reader, kind="urn:ihe:iti:xds:2013:uniqueId"):
    """A CXi, which has to have a type: `kind` where the Identifier has none."""
    if "identifier" not in element:
        return None                                     # a literal reference has no place in XDS (2:3.65.4.1.3.1)
    number, authority = numbered(element["identifier"])
    return f"{number}^^^{authority}^{(elements(element, 'identifier.type.coding.code') or [kind])[0]}"


def _write_unique_id(text, resource):
    oid, _, extension = text.partition("^")
    if extension:                                       # root and extension (Z.9.1.1)
        return {"use": "usual", "system": OID + oid, "value": extension}
    return {"use": "usual", "system": URI, "value": text if is_uuid(text) else OID + text}


def _read_unique_id(identifier, reader):
    system, value = identifier.get("system", ""), identifier["value"]
    return f"{system.removeprefix(OID)}^{value}" if system.startswith(OID) else value.removeprefix(OID)


def patient_id(reference):
    """The patient ID (CX) of a literal reference to a Patient whose id is the domain, a dot and the number; None if it is no such one."""
    domain, _, number = reference.rpartition("/")[2].rpartition(".")
    return f"{number}^^^&{domain}&ISO" if number and is_oid(domain) else None


def _read_patient(element, reader):
    if "identifier" in element:
        return cx(element["identifier"])
    patient = reader.resolved(element)
    if patient:
        return cx((patient.get("identifier") or [{}])[0])
    found = patient_id(element["reference"])
    if not found:
        raise BadResource(f"no patient ID is known for {element['reference']}")
    return found


# Codes, times, numbers

def system_of(scheme):
    """The URI by which FHIR names a coding scheme."""
    return SYSTEMS.get(scheme) or (OID + scheme if is_oid(scheme) else scheme.replace(" ", "%20"))


def scheme_of(system):
    """The coding scheme that a URI of FHIR names."""
    return SCHEMES.get(system) or system.removeprefix(OID).replace("%20", " ")


def _write_coding(code, resource):
    return {"system": system_of(code.scheme), "code": code.code, **({"display": code.display} if code.display else {})}


def _read_coding(coding, reader):
    if not coding.get("code") or not coding.get("system"):
        raise BadResource("XDS needs a code and its system")
    return Code(coding["code"], scheme_of(coding["system"]), coding.get("display", ""))


def _write_time(text, resource):
    parts = [text[:4], text[4:6], text[6:8]]
    day = "-".join(part for part in parts if part)
    if len(text) <= 8:
        return day
    return f"{day}T{text[8:10]}:{text[10:12] or '00'}:{text[12:14] or '00'}Z"           # FHIR has no time without seconds and zone


_TIME = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?")


def span(text):
    """(DTM, as precise; the first moment behind it, YYYYMMDDHHMMSS) of a dateTime of FHIR, in UTC. Raises BadResource."""
    found = _TIME.fullmatch(text)
    try:
        year, month, day, hour, minute, second, zone = found.groups()
        moment = datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC)
        if zone and zone != "Z":
            hours, minutes = int(zone[1:3]), int(zone[4:])
            moment -= timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
        if day:
            behind = moment + (timedelta(days=1) if not hour else timedelta(minutes=1) if not second else timedelta(seconds=1))
        else:
            behind = moment.replace(year=moment.year + (not month or month == "12"), month=int(month) % 12 + 1 if month else 1)
    except (AttributeError, ValueError, OverflowError):
        raise BadResource(f"{text} is no date or time of FHIR") from None
    first, last = (f"{one.year:04}{one:%m%d%H%M%S}" for one in (moment, behind))
    return first[:14 if hour else 4 + 2 * bool(month) + 2 * bool(day)], last


def _read_hash(text, reader):
    """The SHA-1 in hexadecimal. Older sources, and the examples of MHD before CP-ITI-1325, encode the hexadecimal text in base64."""
    try:
        octets = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise BadResource("it is no base64") from None
    return octets.decode("ascii").lower() if len(octets) == 40 else octets.hex()


# People and organizations: contained resources

class _Reader:
    """Where references of a resource lead."""

    def __init__(self, resource, others):
        self._contained = {f"#{one.get('id')}": one for one in elements(resource, "contained") if isinstance(one, dict)}
        self._others = others

    def resolved(self, element):
        """The resource that a Reference leads to, None if it is not at hand."""
        address = element.get("reference", "")
        return self._contained.get(address) or self._others.get(address)


def _contain(resource, made):
    made = {"resourceType": made.pop("resourceType"), "id": f"in{len(resource.get('contained', ())) + 1}", **made}
    resource.setdefault("contained", []).append(made)
    return {"reference": f"#{made['id']}"}


def _name_of(parts):
    """A HumanName of family, given, further given, suffix, prefix."""
    family, given, further, suffix, prefix = parts
    name = {"family": family, "given": [one for one in (given, further) if one], "prefix": [prefix] if prefix else [],
            "suffix": [suffix] if suffix else []}
    return {key: value for key, value in name.items() if value}


def _name_parts(resource):
    name = (resource.get("name") or [{}])[0]
    given, suffix, prefix = (name.get(part, []) for part in ("given", "suffix", "prefix"))
    return [name.get("family", ""), *(given[:1] or [""]), " ".join(given[1:]), " ".join(suffix), " ".join(prefix)]


def _practitioner(xcn, telecoms=()):
    """A Practitioner of an XCN: identifier, name, degree."""
    number, *name, degree, _, authority = (xcn.split("^") + [""] * 8)[:9]
    made = {"resourceType": "Practitioner"}
    if number:
        made["identifier"] = [identifier_of(f"{number}^^^{authority}")]
    if any(name):
        made["name"] = [_name_of(name)]
    if telecoms:
        made["telecom"] = [contact_point(one) for one in telecoms]
    if degree:
        made["qualification"] = [{"code": {"text": degree}}]
    return made


def _xcn(person):
    number, authority = numbered((person.get("identifier") or [{}])[0])
    degree = (elements(person, "qualification.code.text") or [""])[0]
    return "^".join([number, *_name_parts(person), degree, "", authority]).rstrip("^")


def _organization(xon, telecoms=()):
    """An Organization of an XON: name and identifier."""
    parts = (xon.split("^") + [""] * 9)[:10]
    made = {"resourceType": "Organization", "name": parts[0]}
    if parts[9]:
        made["identifier"] = [identifier_of(f"{parts[9]}^^^{parts[5]}")]
    if telecoms:
        made["telecom"] = [contact_point(one) for one in telecoms]
    return made


def _xon(organization):
    number, authority = numbered((organization.get("identifier") or [{}])[0])
    return "^".join([organization.get("name", ""), *[""] * 4, authority, *[""] * 3, number]).rstrip("^")


def contact_point(xtn):
    """A ContactPoint of an XTN."""
    parts = (xtn.split("^") + [""] * 11)[:12]
    if parts[3]:
        return {"system": "email", "value": parts[3]}
    return {"system": "phone", "value": parts[11] or " ".join(filter(None, (parts[4] and f"+{parts[4]}", *parts[5:7]))) or parts[0]}


def _xtn(point):
    return f"^^Internet^{point['value']}" if point.get("system") == "email" else f"^^PH{'^' * 9}{point['value']}"


def _write_role(text):
    code, _, authority = text.partition("^^^&")
    return {"coding": [{"system": system_of(authority.partition("&")[0]), "code": code}]} if authority else {"text": text}


def _read_role(concept):
    coding = (concept.get("coding") or [None])[0]
    return f"{coding['code']}^^^&{scheme_of(coding['system'])}&ISO" if coding else concept["text"]


def _write_author(author, resource):
    """A Practitioner or an Organization where that is all that is said of an author, else a PractitionerRole."""
    more = author.roles or author.specialties
    if not author.institutions and not more:
        return _contain(resource, _practitioner(author.person, author.telecommunications))
    if not author.person and not more:
        return _contain(resource, _organization(author.institutions[0], author.telecommunications))
    role = {"resourceType": "PractitionerRole"}
    if author.person:
        role["practitioner"] = _contain(resource, _practitioner(author.person))
    if author.institutions:
        role["organization"] = _contain(resource, _organization(author.institutions[0]))
    for name, texts in (("code", author.roles), ("specialty", author.specialties)):
        if texts:
            role[name] = [_write_role(one) for one in texts]
    if author.telecommunications:
        role["telecom"] = [contact_point(one) for one in author.telecommunications]
    return _contain(resource, role)


def _read_author(element, reader):
    found = reader.resolved(element)
    if found is None:                                   # by identifier or words alone
        return Author(_xcn({"identifier": [element["identifier"]]}) if "identifier" in element else f"^{element.get('display', '')}")
    telecoms = tuple(_xtn(one) for one in found.get("telecom", ()))
    if found["resourceType"] == "Organization":
        return Author("", (_xon(found),), telecommunications=telecoms)
    if found["resourceType"] != "PractitionerRole":
        return Author(_xcn(found), telecommunications=telecoms)
    person, organization = (reader.resolved(found.get(name, {})) for name in ("practitioner", "organization"))
    roles, specialties = (tuple(_read_role(one) for one in found.get(name, ())) for name in ("code", "specialty"))
    return Author(_xcn(person) if person else "", (_xon(organization),) if organization else (), roles, specialties, telecoms)


def _write_set_author(author, resource):
    """List.source can be no Organization: that is an extension of it (ihe-authorOrg)."""
    reference = _write_author(author, resource)
    if resource["contained"][-1]["resourceType"] == "Organization":
        return {"extension": [{"url": f"{PROFILES}ihe-authorOrg", "valueReference": reference}]}
    return reference


def _read_set_author(element, reader):
    return _read_author((elements(element, "extension[ihe-authorOrg].valueReference") or [element])[0], reader)


def _write_recipient(text, resource):
    """XON|XCN|XTN (ITI TF-3 4.2.3.3.7)."""
    organization, person, address = (text.split("|") + ["", ""])[:3]
    return _write_author(Author(person, tuple(filter(None, [organization])), telecommunications=tuple(filter(None, [address]))), resource)


def _read_recipient(element, reader):
    found = _read_author(element, reader)
    return "|".join((*(found.institutions[:1] or ("",)), found.person, *(found.telecommunications[:1] or ("",)))).rstrip("|")


# The source's patient: one contained Patient for two attributes

def _source_patient(resource):
    """The contained Patient that context.sourcePatientInfo refers to, a new one if there is none."""
    reader = _Reader(resource, {})
    for element in elements(resource, "context.sourcePatientInfo"):
        return reader.resolved(element), element
    element = _contain(resource, {"resourceType": "Patient"})
    return resource["contained"][-1], element


def _write_source_id(text, resource):
    patient, element = _source_patient(resource)
    patient["identifier"] = [{"use": "usual", **identifier_of(text)}]
    return element


def _write_source_info(field, resource):
    """A field of PID; those that FHIR has no place for are left out."""
    patient, element = _source_patient(resource)
    name, _, text = field.partition("|")
    if name == "PID-3":
        known = patient.setdefault("identifier", [])
        known += [one for one in map(identifier_of, text.split("~")) if one["value"] not in [other["value"] for other in known]]
    elif name == "PID-5":
        patient["name"] = [_name_of((one.split("^") + [""] * 4)[:5]) for one in text.split("~")]
    elif name == "PID-7":
        patient["birthDate"] = _write_time(text[:8], resource)
    elif name == "PID-8":
        patient["gender"] = GENDERS.get(text, "unknown")
    elif name == "PID-11":
        street, _, city, state, code, country = (text.split("^") + [""] * 5)[:6]
        address = {"line": [street] if street else [], "city": city, "state": state, "postalCode": code, "country": country}
        patient["address"] = [{key: value for key, value in address.items() if value}]
    return element


def _read_source_info(element, reader):
    patient, fields = reader.resolved(element), []
    if len(patient.get("identifier", ())) > 1:
        fields.append("PID-3|" + "~".join(cx(one) for one in patient["identifier"]))
    if patient.get("name"):
        fields.append("PID-5|" + "^".join(_name_parts(patient)).rstrip("^"))
    if patient.get("birthDate"):
        fields.append("PID-7|" + span(patient["birthDate"])[0])
    if patient.get("gender"):
        fields.append("PID-8|" + next((letter for letter, word in GENDERS.items() if word == patient["gender"]), "U"))
    if patient.get("address"):
        address = patient["address"][0]
        fields.append("PID-11|" + "^".join([" ".join(address.get("line", [])), "", *(address.get(key, "") for key in (
            "city", "state", "postalCode", "country"))]).rstrip("^"))
    return fields


def _choice(table):
    return (lambda value, resource: table[value]), (lambda word, reader: next((urn for urn, name in table.items() if name == word), word))


def _read_number(number, reader):
    if isinstance(number, bool) or not isinstance(number, int):
        raise BadResource("it is no number")
    return str(number)


FORMS = {       # how a value is written (value, resource being made), and read (element, _Reader)
    "text": (lambda text, resource: text, lambda text, reader: text),
    "unique id": (_write_unique_id, _read_unique_id),
    "uuid": (lambda text, resource: {"use": "official", "system": URI, "value": text} if is_uuid(text) else None,
             lambda identifier, reader: identifier["value"].lower()),
    "source": (lambda text, resource: {"system": URI, "value": OID + text},
               lambda identifier, reader: identifier["value"].removeprefix(OID)),
    "status": _choice(STATUS), "list status": _choice(LIST_STATUS),
    "coding": (_write_coding, _read_coding),
    "concept": (lambda code, resource: {"coding": [_write_coding(code, resource)]},
                lambda concept, reader: _read_coding((concept.get("coding") or [{}])[0], reader)),
    "time": (_write_time, lambda text, reader: span(text)[0]),
    "instant": (lambda text, resource: _write_time(text, resource) if len(text) > 8 else None, lambda text, reader: span(text)[0]),
    "number": (lambda text, resource: int(text), _read_number),
    "hash": (lambda text, resource: base64.b64encode(bytes.fromhex(text)).decode("ascii"), _read_hash),
    "patient": (lambda text, resource: {"type": "Patient", "identifier": identifier_of(text)}, _read_patient),
    "author": (_write_author, _read_author), "set author": (_write_set_author, _read_set_author),
    "person": (lambda xcn, resource: _contain(resource, _practitioner(xcn)), lambda element, reader: _read_author(element, reader).person),
    "recipient": (_write_recipient, _read_recipient), "source info": (_write_source_info, _read_source_info),
    "source id": (_write_source_id, lambda element, reader: cx((reader.resolved(element).get("identifier") or [{}])[0])),
    "reference id": (_write_reference, _read_reference),
    "encounter": (lambda text, resource: _write_reference(text, resource, True),
                  lambda element, reader: _read_reference(element, reader, ENCOUNTER)),
}
