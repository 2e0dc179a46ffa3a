"""The metadata of shared documents: as objects with the Technical Framework's names, and as the ebRIM XML that goes over the wire.

    entry = Entry(DOCUMENT, mimeType="application/dicom", classCode=Code("IMAGES", "2.999.1.9.11", "Images"), ...)
    entry["classCode"].code
    write([entry, submission_set, association])       # rim:RegistryObjectList
    read(element)                                     # the same again, with the problems that were found

Sources: IHE ITI TF-3 4.2.1 to 4.2.3 (ebRIM representation, data types); ebRIM 3.0.
"""

import re
import uuid
from dataclasses import dataclass, field
from typing import NamedTuple

from coursekit.standards.xds import facts
from coursekit.standards.xds.facts import ASSOCIATION, ATTRIBUTES, DOCUMENT, FOLDER, RIM, SET

SUB_SLOTS = {"authorPerson": "person", "authorInstitution": "institutions", "authorRole": "roles", "authorSpecialty": "specialties",
             "authorTelecommunication": "telecommunications"}


class Code(NamedTuple):
    """A coded value: code, coding scheme, display name (4.2.3.1.2)."""

    code: str
    scheme: str
    display: str = ""


class Author(NamedTuple):
    """An author: an XCN, and tuples of XON, text, text, XTN (4.2.3.1.4)."""

    person: str = ""
    institutions: tuple = ()
    roles: tuple = ()
    specialties: tuple = ()
    telecommunications: tuple = ()


class Problem(NamedTuple):
    """Something that is wrong.

    code     : a key of `facts.ERRORS`
    context  : a sentence that says what and where
    warning  : whether it does no harm
    location : where it happened; in answers of gateways the homeCommunityId
    """

    code: str
    context: str
    warning: bool = False
    location: str = ""


@dataclass
class Entry:
    """A metadata object.

    kind   : DOCUMENT, SET, FOLDER or ASSOCIATION
    values : {attribute: value}; text, Code or Author, a tuple of them where the attribute may have several; True of limitedMetadata. Of an
             association they are entryUUID, type, source, target, status (SubmissionSetStatus) and reasons (a tuple of Code)
    extra  : {name of another slot: tuple of values}
    """

    kind: str
    values: dict = field(default_factory=dict)
    extra: dict = field(default_factory=dict)

    def __getitem__(self, name):
        return self.values[name]

    def __contains__(self, name):
        return name in self.values

    def get(self, name, default=None):
        """The value of an attribute, or `default`."""
        return self.values.get(name, default)

    @property
    def id(self):
        """entryUUID: a URN, or a symbol that holds in its submission only."""
        return self.values.get("entryUUID")

    def copy(self, **changes):
        """Another one with other values; None takes an attribute away."""
        values = {**self.values, **changes}
        return Entry(self.kind, {name: value for name, value in values.items() if value is not None}, dict(self.extra))


def association(kind, source, target, status=None, id=None):
    """An association: `kind` is one of the URNs in `facts`; `source` and `target` are entryUUIDs, `status` Original or Reference."""
    values = {"entryUUID": id or f"urn:uuid:{uuid.uuid4()}", "type": kind, "source": source, "target": target}
    return Entry(ASSOCIATION, {**values, **({"status": status} if status else {})})


# ebRIM, written

def write(entries):
    """A rim:RegistryObjectList of some Entry."""
    from lxml import etree

    root = etree.Element(f"{{{RIM}}}RegistryObjectList", nsmap={"rim": RIM})
    for entry in entries:
        root.append(element(entry))
    return root


def element(entry):
    """The ebRIM element of an Entry. Parts stand in the order that the schema wants: slots, name, description, classifications, identifiers."""
    from lxml import etree

    if entry.kind == ASSOCIATION:
        return _association_element(entry)
    made = etree.Element(f"{{{RIM}}}{'ExtrinsicObject' if entry.kind == DOCUMENT else 'RegistryPackage'}", nsmap={"rim": RIM})
    if entry.kind != DOCUMENT:
        made.set("objectType", f"{facts.OBJECT}RegistryPackage")
    by_carrier = {}
    for attribute in ATTRIBUTES[entry.kind]:
        if attribute.name in entry.values:
            by_carrier.setdefault(attribute.carrier, []).append((attribute, entry.values[attribute.name]))
    for attribute, value in by_carrier.get("xml", ()):
        made.set(attribute.key, value)
    for attribute, value in by_carrier.get("slot", ()):
        _slot(made, attribute.key, value if attribute.many else (value,))
    for name, values in entry.extra.items():
        _slot(made, name, values)
    for carrier, tag in (("name", "Name"), ("description", "Description")):
        for _, value in by_carrier.get(carrier, ()):
            _text(made, tag, value)
    if entry.kind != DOCUMENT:
        etree.SubElement(made, f"{{{RIM}}}Classification", id=_new(), classifiedObject=entry.id or "",
                         classificationNode=facts.SET_NODE if entry.kind == SET else facts.FOLDER_NODE,
                         objectType=f"{facts.OBJECT}Classification")
    for attribute, _ in by_carrier.get("node", ()):
        etree.SubElement(made, f"{{{RIM}}}Classification", id=_new(), classifiedObject=entry.id or "", classificationNode=attribute.key,
                         objectType=f"{facts.OBJECT}Classification")
    for carrier, add in (("author", _author), ("code", _code)):
        for attribute, value in by_carrier.get(carrier, ()):
            for one in value if attribute.many else (value,):
                add(made, attribute.key, one, entry.id or "")
    for attribute, value in by_carrier.get("identifier", ()):
        identifier = etree.SubElement(made, f"{{{RIM}}}ExternalIdentifier", id=_new(), registryObject=entry.id or "",
                                      identificationScheme=attribute.key, value=value, objectType=f"{facts.OBJECT}ExternalIdentifier")
        _text(identifier, "Name", f"XDS{entry.kind}.{attribute.name}")
    return made


def _association_element(entry):
    from lxml import etree

    made = etree.Element(f"{{{RIM}}}Association", nsmap={"rim": RIM}, id=entry.id or _new(), associationType=entry["type"],
                         sourceObject=entry["source"], targetObject=entry["target"], objectType=f"{facts.OBJECT}Association")
    if entry.get("availabilityStatus"):
        made.set("status", entry["availabilityStatus"])
    if entry.get("status"):
        _slot(made, "SubmissionSetStatus", (entry["status"],))
    for name, values in entry.extra.items():
        _slot(made, name, values)
    for reason in entry.get("reasons", ()):
        _code(made, facts.ASSOCIATION_REASON, reason, made.get("id"))
    return made


def _new():
    return f"urn:uuid:{uuid.uuid4()}"


def _slot(parent, name, values):
    from lxml import etree

    inside = etree.SubElement(etree.SubElement(parent, f"{{{RIM}}}Slot", name=name), f"{{{RIM}}}ValueList")
    for value in values:
        etree.SubElement(inside, f"{{{RIM}}}Value").text = str(value)


def _text(parent, tag, value):
    from lxml import etree

    etree.SubElement(etree.SubElement(parent, f"{{{RIM}}}{tag}"), f"{{{RIM}}}LocalizedString", value=value)


def _code(parent, scheme, code, classified):
    from lxml import etree

    made = etree.SubElement(parent, f"{{{RIM}}}Classification", id=_new(), classifiedObject=classified, classificationScheme=scheme,
                            nodeRepresentation=code.code, objectType=f"{facts.OBJECT}Classification")
    _slot(made, "codingScheme", (code.scheme,))
    if code.display:
        _text(made, "Name", code.display)


def _author(parent, scheme, author, classified):
    from lxml import etree

    made = etree.SubElement(parent, f"{{{RIM}}}Classification", id=_new(), classifiedObject=classified, classificationScheme=scheme,
                            nodeRepresentation="", objectType=f"{facts.OBJECT}Classification")
    for slot, name in SUB_SLOTS.items():
        value = getattr(author, name)
        values = (value,) if isinstance(value, str) and value else value
        if values:
            _slot(made, slot, values)


# ebRIM, read

def read(parent):
    """(list of Entry, list of Problem) of the ExtrinsicObject, RegistryPackage and Association elements in an element.

    Whatever is there is read; what it lacks is the affair of `check`. The classification that makes a RegistryPackage a submission set or a
    folder may stand in it or beside it (4.2.1.2.1). The Problems are those for which an Entry would have no place.
    """
    beside = {}
    for one in parent.iterfind(f"{{{RIM}}}Classification"):
        beside.setdefault(one.get("classifiedObject"), set()).add(one.get("classificationNode"))
    entries, problems = [], []
    for one in parent:
        tag = str(one.tag)
        nodes = {inside.get("classificationNode") for inside in one.iterfind(f"{{{RIM}}}Classification")} | beside.get(one.get("id"), set())
        if tag == f"{{{RIM}}}ExtrinsicObject":
            entries.append(_entry(one, DOCUMENT, nodes, problems))
        elif tag == f"{{{RIM}}}RegistryPackage":
            if facts.SET_NODE in nodes or facts.FOLDER_NODE in nodes:
                entries.append(_entry(one, SET if facts.SET_NODE in nodes else FOLDER, nodes, problems))
            else:
                problems.append(Problem("XDSRegistryMetadataError", f"RegistryPackage {one.get('id')} is classified neither as a SubmissionSet "
                                                                    "nor as a Folder (ITI TF-3 4.2.1.2, 4.2.1.3)."))
        elif tag == f"{{{RIM}}}Association":
            entries.append(_read_association(one))
        elif tag not in (f"{{{RIM}}}Classification", f"{{{RIM}}}ObjectRef"):
            problems.append(Problem("XDSRegistryMetadataError", f"An element {tag.rpartition('}')[2]} has no place in a submission."))
    return entries, problems


def _entry(one, kind, nodes, problems):
    entry = Entry(kind)
    slots = _slots(one, problems)
    codes, identifiers = {}, {}
    for inside in one.iterchildren(f"{{{RIM}}}Classification"):
        codes.setdefault(inside.get("classificationScheme"), []).append(inside)
    for inside in one.iterchildren(f"{{{RIM}}}ExternalIdentifier"):
        identifiers.setdefault(inside.get("identificationScheme"), []).append(inside.get("value", ""))
    for attribute in ATTRIBUTES[kind]:
        if attribute.carrier == "xml":
            found = [one.get(attribute.key)] if one.get(attribute.key) else []
        elif attribute.carrier == "slot":
            found = slots.pop(attribute.key, [])
        elif attribute.carrier == "identifier":
            found = identifiers.get(attribute.key, [])
        elif attribute.carrier == "node":
            found = [True] if attribute.key in nodes else []
        elif attribute.carrier in ("name", "description"):
            text = _localized(one, "Name" if attribute.carrier == "name" else "Description")
            found = [text] if text else []
        else:
            take = _read_author if attribute.carrier == "author" else _read_code
            found = [take(inside, problems) for inside in codes.get(attribute.key, ())]
        if len(found) > 1 and not attribute.many:
            problems.append(Problem("XDSRegistryMetadataError", f"{kind} {one.get('id')}: {attribute.name} may have one value, and has {len(found)}."))
        if found:
            entry.values[attribute.name] = tuple(found) if attribute.many else found[0]
    entry.extra = {name: tuple(values) for name, values in slots.items()}
    return entry


def _read_association(one):
    slots = _slots(one, [])
    values = {"entryUUID": one.get("id"), "type": one.get("associationType"), "source": one.get("sourceObject"), "target": one.get("targetObject"),
              "availabilityStatus": one.get("status"), "status": (slots.pop("SubmissionSetStatus", None) or [None])[0]}
    reasons = tuple(_read_code(inside, []) for inside in one.iterfind(f"{{{RIM}}}Classification")
                    if inside.get("classificationScheme") == facts.ASSOCIATION_REASON)
    if reasons:
        values["reasons"] = reasons
    return Entry(ASSOCIATION, {name: value for name, value in values.items() if value}, {name: tuple(found) for name, found in slots.items()})


def _slots(one, problems):
    found = {}
    for slot in one.iterchildren(f"{{{RIM}}}Slot"):
        name = slot.get("name", "")
        if name in found:
            problems.append(Problem("XDSRegistryMetadataError", f"The slot {name} comes twice in {one.get('id')}."))
        texts = [(value.text or "").strip() for values in slot.iterchildren(f"{{{RIM}}}ValueList")
                 for value in values.iterchildren(f"{{{RIM}}}Value")]
        found[name] = [text for text in texts if text]
    return found


def _localized(one, tag):
    for named in one.iterchildren(f"{{{RIM}}}{tag}"):
        for string in named.iterchildren(f"{{{RIM}}}LocalizedString"):
            return string.get("value", "")
    return ""


def _read_code(one, problems):
    scheme = (_slots(one, problems).get("codingScheme") or [""])[0]
    return Code(one.get("nodeRepresentation", ""), scheme, _localized(one, "Name"))


def _read_author(one, problems):
    slots = _slots(one, problems)
    if len(slots.get("authorPerson", ())) > 1:
        problems.append(Problem("XDSRegistryMetadataError", "An author is one authorPerson; several persons are several authors (4.2.3.1.4)."))
    values = {name: tuple(slots.get(slot, ())) for slot, name in SUB_SLOTS.items()}
    return Author(**{**values, "person": (values["person"] or ("",))[0]})


# Checks

_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
_CX = re.compile(r"[^\^]+\^\^\^&(?P<oid>[0-9.]+)&ISO")
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_DTM = re.compile(r"[0-9]{4}((0[1-9]|1[0-2])((0[1-9]|[12][0-9]|3[01])(([01][0-9]|2[0-3])([0-5][0-9]([0-5][0-9])?)?)?)?)?")
REFERENCE_TYPES = ("urn:ihe:iti:xds:2013:uniqueId", "urn:ihe:iti:xds:2013:accession", "urn:ihe:iti:xds:2013:referral",
                   "urn:ihe:iti:xds:2013:order", "urn:ihe:iti:xdw:2013:workflowInstanceId", "urn:ihe:iti:xds:2016:studyInstanceUID",
                   "urn:ihe:iti:xds:2015:encounterId")


def is_oid(text):
    """Whether a text is an OID: at most 64 digits and dots, no part with a leading zero."""
    return len(text) <= 64 and bool(_OID.fullmatch(text))


def is_uuid(text):
    """Whether a text is urn:uuid: with a UUID in lower case (4.2.3.1.5)."""
    return bool(_UUID.fullmatch(text or ""))


def is_cx(text):
    """Whether a text is a CX of document sharing: an identifier, and its assigning authority as an OID, ID^^^&OID&ISO (4.2.3.1.7)."""
    found = _CX.fullmatch(text)
    return bool(found) and is_oid(found["oid"])


def _document_uid(text):
    oid, _, extension = text.partition("^")
    return len(text) <= 128 and (is_oid(oid) and len(extension) <= 16 or is_uuid(text))


def _cxi(text):
    parts = text.split("^")
    return len(parts) >= 5 and bool(parts[0]) and bool(parts[4])


FORMS = {       # what a value of a form has to be, and how it is said
    "OID": (is_oid, "an OID"),
    "CX": (is_cx, "an identifier with its assigning authority, such as P1^^^&2.999.1.9&ISO, and nothing else"),
    "DTM": (lambda text: bool(_DTM.fullmatch(text)), "a time in UTC, YYYY[MM[DD[hh[mm[ss]]]]], without a zone"),
    "SHA-1": (lambda text: bool(re.fullmatch("[0-9a-fA-F]{40}", text)), "a SHA-1 as 40 hexadecimal digits"),
    "integer": (lambda text: text.isascii() and text.isdigit(), "a number of bytes"),
    "language": (lambda text: bool(re.fullmatch("[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*", text)), "a language tag such as en-US (RFC 5646)"),
    "mime": (lambda text: bool(re.fullmatch(r"[\w.+-]+/[\w.+-]+(;.*)?", text)), "a media type such as application/dicom"),
    "home": (lambda text: text.startswith("urn:oid:") and is_oid(text[8:]), "an OID as urn:oid:..."),
    "document type": (lambda text: text in (facts.STABLE, facts.ON_DEMAND), "the UUID of a stable or of an on-demand document entry"),
    "document UID": (_document_uid, "an OID, an OID with an extension, or a UUID as a URN; at most 128 characters"),
    "XCN": (lambda text: bool(text.replace("^", "").strip()), "a person's identifier or family name"),
    "CXi": (_cxi, "an identifier with the type of what it refers to in its fifth component"),
    "field": (lambda text: bool(re.match(r"PID-\d+\|", text)), "a field of PID such as PID-5|DOE^JOHN"),
}


def check(entries, transaction="ITI-42"):
    """What is wrong with the metadata of a submission by themselves: a list of Problem (ITI TF-3 4.2, Table 4.3.1-3).

    transaction : "ITI-41" or "ITI-42", or "XDR" for an ITI-41 that goes to a document recipient. What a repository adds may be missing in
                  all but ITI-42; in XDR an object may say that its metadata are limited
    """
    side = "Registry" if transaction == "ITI-42" else "Repository"
    found = []

    def wrong(sentence, code=f"XDS{side}MetadataError"):
        found.append(Problem(code, sentence))

    sets = [entry for entry in entries if entry.kind == SET]
    if len(sets) != 1:
        wrong(f"A submission holds one SubmissionSet; this one holds {len(sets)}.")
    ids = [entry.id for entry in entries if entry.id]
    for one in sorted({one for one in ids if ids.count(one) > 1}):
        wrong(f"The id {one} comes twice.")
    for entry in entries:
        if entry.kind == ASSOCIATION:
            _check_association(entry, wrong)
        else:
            _check_entry(entry, transaction, wrong)
    uids = [entry["uniqueId"] for entry in entries if "uniqueId" in entry]
    for uid in sorted({uid for uid in uids if uids.count(uid) > 1}):
        wrong(f"The uniqueId {uid} comes twice.", f"XDS{side}DuplicateUniqueIdInMessage")
    patients = {entry["patientId"] for entry in entries if "patientId" in entry}
    if len(patients) > 1:
        wrong(f"The objects of a submission concern one patient; these concern {', '.join(sorted(patients))}.", "XDSPatientIdDoesNotMatch")
    by_id = {entry.id: entry for entry in entries if entry.kind != ASSOCIATION}
    members = {entry["target"] for entry in entries if entry.kind == ASSOCIATION and entry.get("type") == facts.HAS_MEMBER
               and sets and entry.get("source") == sets[0].id}
    for one in by_id.values():
        if one.kind != SET and one.id not in members and sets:
            wrong(f"{one.kind} {one.id} is no member of the SubmissionSet (HasMember, ITI TF-3 4.2.2.1).")
    for one in entries:
        if one.kind == ASSOCIATION and sets and one.get("source") == sets[0].id and one.get("target") in by_id \
                and by_id[one["target"]].kind == DOCUMENT and one.get("status") != facts.ORIGINAL:
            wrong(f"The HasMember of {one['target']} needs the slot SubmissionSetStatus with Original: the entry is in this submission.")
    return found


def _check_association(entry, wrong):
    for name in ("entryUUID", "type", "source", "target"):
        if name not in entry:
            wrong(f"An Association lacks {name}.")
    known = {facts.HAS_MEMBER, *facts.RELATIONSHIPS.values()}
    if entry.get("type") and entry["type"] not in known:
        wrong(f"{entry['type']} is no type of association (ITI TF-3 4.2.2).")
    if entry.get("status") and entry["status"] not in (facts.ORIGINAL, facts.REFERENCE):
        wrong(f"SubmissionSetStatus is {entry['status']}; it's Original or Reference.")


def _check_entry(entry, transaction, wrong):
    on_demand, limited = entry.get("objectType") == facts.ON_DEMAND, entry.get("limitedMetadata")
    if limited and transaction != "XDR":
        wrong(f"{entry.kind} {entry.id}: limitedMetadata does not belong in XDS.")
    for attribute in ATTRIBUTES[entry.kind]:
        name, value = attribute.name, entry.get(attribute.name)
        where = f"{entry.kind} {entry.id}: {name}"
        needed = attribute.needed == "both" or attribute.needed == "repository" and transaction == "ITI-42"
        if limited:
            needed = name in facts.NEEDED_LIMITED[entry.kind]
        if on_demand and name in facts.FORBIDDEN_ON_DEMAND:
            if value:
                wrong(f"{where} does not belong in an on-demand entry.")
            continue
        if not value:
            if needed:
                wrong(f"{where} is missing.")
            continue
        for one in value if attribute.many else (value,):
            if attribute.carrier == "code" and not (one.code and one.scheme):
                wrong(f"{where} needs a code and a coding scheme.")
            elif attribute.carrier == "author" and not (one.person or one.institutions or one.telecommunications):
                wrong(f"{where} needs a person, an institution or a telecommunication address (4.2.3.1.4).")
            elif attribute.form and not FORMS[attribute.form][0](one):
                wrong(f"{where} is {one!r}; it has to be {FORMS[attribute.form][1]}.")
    start, stop = entry.get("serviceStartTime"), entry.get("serviceStopTime")
    if start and stop and start.ljust(14, "0") > stop.ljust(14, "0"):
        wrong(f"{entry.kind} {entry.id}: serviceStartTime is later than serviceStopTime.")
