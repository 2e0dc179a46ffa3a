"""HL7 v3 messages of patient identity, written and read: identity feed, PIX query, demographics query (IHE PIXV3 and PDQV3).

    body = pix_query(("2.999.1.1.44", "2.999.1.9.44"), ("2.999.1.1", "HV100234"), ["2.999.1.2"])         # PRPA_IN201309UV02
    answer = read_answer(response.body)

Identifiers are pairs (OID of the assigning authority, number), which HL7 v3 writes as II with root and extension. Devices are the OIDs of
the sending and the receiving application. A person is a dict with family, given, middle, birth_date (YYYYMMDD), sex (F, M, O, U), street,
city, zip and phone; "" for what is not known.

Sources: IHE ITI TF-2 3.44, 3.45, 3.47 (interactions and their constraints), E.2 (identifiers), O (wrappers), R (what of v2 is what of v3);
HL7 v3 Normative Edition 2008, Patient topic. Code 204 of an error and the XPath that says where it lies: 3.45.4.2.3, 3.47.4.2.3.
"""

import re
import uuid
from collections import Counter
from copy import deepcopy
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote, unquote

from coursekit.errors import CourseError
from coursekit.standards.hl7 import ERRORS

HL7 = "urn:hl7-org:v3"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
# Code systems: interactions and trigger events; HL7 v2 table 0357; AdministrativeGender
ARTIFACTS, ERROR_CODES, GENDER_CODES = "2.16.840.1.113883.1.6", "2.16.840.1.113883.12.357", "2.16.840.1.113883.5.1"

ADD, REVISE, RESOLVE = "PRPA_IN201301UV02", "PRPA_IN201302UV02", "PRPA_IN201304UV02"
ACKNOWLEDGEMENT = "MCCI_IN000002UV01"
PIX_QUERY, PIX_ANSWER = "PRPA_IN201309UV02", "PRPA_IN201310UV02"
PDQ_QUERY, PDQ_ANSWER = "PRPA_IN201305UV02", "PRPA_IN201306UV02"
CONTINUATION = "QUQI_IN000003UV01"


class Interaction(NamedTuple):
    """What is fixed of an interaction.

    transaction : that of IHE; "" where it belongs to several
    trigger     : the code of its trigger event; "" for one without a control act
    wants       : acceptAckCode: AL, an acknowledgement always; NE, never
    """

    transaction: str
    trigger: str
    wants: str


INTERACTIONS = {        # 3.44.4.1.2.3, 3.44.4.2.2.3, O.1.2, 3.45.4.1.2.3, 3.45.4.2.2.3, 3.47.4.1.2.3, 3.47.4.2.2.3, 3.47.4.3.2.3
    ADD: Interaction("ITI-44", "PRPA_TE201301UV02", "AL"), REVISE: Interaction("ITI-44", "PRPA_TE201302UV02", "AL"),
    RESOLVE: Interaction("ITI-44", "PRPA_TE201304UV02", "AL"), ACKNOWLEDGEMENT: Interaction("", "", "NE"),
    PIX_QUERY: Interaction("ITI-45", "PRPA_TE201309UV02", "AL"), PIX_ANSWER: Interaction("ITI-45", "PRPA_TE201310UV02", "NE"),
    PDQ_QUERY: Interaction("ITI-47", "PRPA_TE201305UV02", "AL"), PDQ_ANSWER: Interaction("ITI-47", "PRPA_TE201306UV02", "NE"),
    CONTINUATION: Interaction("ITI-47", "PRPA_TE000003UV01", "AL"),
}
SEMANTICS = {           # Tables 3.45.4.1.2.2-1, 3.47.4.1.2.2-1: the semanticsText of each parameter, in the order of the schemas
    "dataSource": "DataSource.id", "patientIdentifier": "Patient.id",
    "livingSubjectAdministrativeGender": "LivingSubject.administrativeGender", "livingSubjectBirthTime": "LivingSubject.birthTime",
    "livingSubjectId": "LivingSubject.id", "livingSubjectName": "LivingSubject.name",
    "otherIDsScopingOrganization": "OtherIDs.scopingOrganization.id", "patientAddress": "Patient.addr",
}
GENDERS = {"F": "F", "M": "M", "O": "UN"}               # table 0001 of v2 as AdministrativeGender; U is a null flavor
SEXES = {code: sex for sex, code in GENDERS.items()}
PERSON = ("family", "given", "middle", "birth_date", "sex", "street", "city", "zip", "phone")
EVENT = "controlActProcess/subject/registrationEvent"
PATIENT, SUBSUMED = f"{EVENT}/subject1/patient", f"{EVENT}/replacementOf/priorRegistration/subject1/priorRegisteredRole"
QUERY = "controlActProcess/queryByParameter"
MATCH = "IHE_PDQ"                       # code of a queryMatchObservation, as IHE's examples have it
MOST_ALTERNATIVES = 50                  # names times addresses of one query
_COUNT = re.compile(r"\d{1,9}", re.ASCII)
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")        # XML 1.0, 2.2


def action(name):
    """The wsa:Action of an interaction."""
    return f"{HL7}:{name}"


CONTINUE, CANCEL = f"{action(CONTINUATION)}_Continue", f"{action(CONTINUATION)}_Cancel"         # 3.47.4.2.3.1.1


class Problem(NamedTuple):
    """An acknowledgementDetail: a code of table 0357, a sentence, and the XPath of the place ("" if it has none)."""

    code: str
    text: str
    location: str = ""


class BadInteraction(CourseError, ValueError):
    """An interaction that can't be acted on.

    problems : list of Problem
    code     : queryResponseCode: AE for what is not known here (3.45.4.2.3, 3.47.4.2.3), QE for parameters that can't be read (O.2.2)
    """

    def __init__(self, *problems):
        super().__init__(" ".join(one.text for one in problems))
        self.problems = list(problems)
        self.code = "AE" if all(one.code == "204" for one in problems) else "QE"


# Elements

def find(element, path):
    """The first element at a path such as "receiver/device/id", or None."""
    return element.find(path, {None: HL7})


def find_all(element, path):
    """A list of the elements at a path."""
    return element.findall(path, {None: HL7})


def add(parent, name, text=None, **attributes):
    """Add an element of HL7 v3, and return it. A character that XML does not have becomes U+FFFD."""
    from lxml import etree

    made = etree.SubElement(parent, f"{{{HL7}}}{name}", {key: _UNWRITABLE.sub("\ufffd", value) for key, value in attributes.items()})
    made.text = None if text is None else _UNWRITABLE.sub("\ufffd", text)
    return made


def _code(element, path, attribute="code"):
    found = find(element, path)
    return found.get(attribute, "") if found is not None else ""


def _id(element):
    """The attributes of an II, or a null flavor where there is none."""
    kept = {name: element.get(name) for name in ("root", "extension") if element.get(name)} if element is not None else {}
    return kept or {"nullFlavor": "UNK"}


def _text(element):
    return "".join(element.itertext()).strip()


# Wrappers (appendix O)

def _interaction(name, receiver, sender):
    """An interaction's element with id, codes, receiver and sender (each the attributes of an II) of the transmission wrapper (O.1)."""
    from lxml import etree

    made = etree.Element(f"{{{HL7}}}{name}", {"ITSVersion": "XML_1.0"}, {None: HL7, "xsi": XSI})
    add(made, "id", root=str(uuid.uuid4()))
    add(made, "creationTime", value=datetime.now().astimezone().strftime("%Y%m%d%H%M%S%z"))
    add(made, "interactionId", root=ARTIFACTS, extension=name)
    for place, code in (("processingCode", "P"), ("processingModeCode", "T"), ("acceptAckCode", INTERACTIONS[name].wants)):
        add(made, place, code=code)
    for place, kind, device in (("receiver", "RCV", receiver), ("sender", "SND", sender)):
        add(add(add(made, place, typeCode=kind), "device", classCode="DEV", determinerCode="INSTANCE"), "id", **device)
    return made


def _request(name, devices):
    """The element of a request, and its control act."""
    made = _interaction(name, {"root": devices[1]}, {"root": devices[0]})
    return made, _control_act(made, name)


def _control_act(made, name):
    act = add(made, "controlActProcess", classCode="CACT", moodCode="EVN")
    add(act, "code", code=INTERACTIONS[name].trigger, codeSystem=ARTIFACTS)
    return act


def _answer(name, request, code, problems=()):
    """The element that answers a request: from whom it went to, with an acknowledgement (O.1.2, O.1.3)."""
    made = _interaction(name, _id(find(request, "sender/device/id")), _id(find(request, "receiver/device/id")))
    _acknowledge(made, code, _id(find(request, "id")), problems)
    return made


def _acknowledge(made, code, target, problems=()):
    acknowledgement = add(made, "acknowledgement")
    add(acknowledgement, "typeCode", code=code)
    add(add(acknowledgement, "targetMessage"), "id", **target)
    for one in problems:
        detail = add(acknowledgement, "acknowledgementDetail", typeCode="E")
        add(detail, "code", code=one.code, codeSystem=ERROR_CODES, displayName=ERRORS[one.code])
        add(detail, "text", one.text)
        if one.location:
            add(detail, "location", one.location)


def _registration(act, custodian):
    """A registrationEvent in a control act, and the role that it's about."""
    event = add(add(act, "subject", typeCode="SUBJ", contextConductionInd="false"), "registrationEvent", classCode="REG", moodCode="EVN")
    add(event, "statusCode", code="active")
    role = add(add(event, "subject1", typeCode="SBJ"), "patient", classCode="PAT")
    add(add(add(event, "custodian", typeCode="CST"), "assignedEntity", classCode="ASSIGNED"), "id", **custodian)
    return event, role


# Persons

def _ii(root, extension, names):
    """The attributes of an identifier; with the assigning authority's name, as the manager has to give it (E.2.1)."""
    return {"root": root, "extension": extension} | ({"assigningAuthorityName": names[root]} if root in names else {})


def _identify(role, identifiers, names):
    for root, extension in identifiers:
        add(role, "id", **_ii(root, extension, names))
    add(role, "statusCode", code="active")


def _describe(role, person, whole=True):
    """patientPerson of a role, with the name alone unless `whole`."""
    made = add(role, "patientPerson", classCode="PSN", determinerCode="INSTANCE")
    if person["family"] or person["given"] or person["middle"]:
        _name(add(made, "name", use="L"), person)
    else:
        add(made, "name", nullFlavor="UNK")
    if not whole:
        return made
    if person["phone"]:
        add(made, "telecom", value=f"tel:{quote(person['phone'], safe='+-().')}", use="HP")
    if person["sex"]:
        add(made, "administrativeGenderCode", **_gender(person["sex"]))
    if person["birth_date"]:
        add(made, "birthTime", value=person["birth_date"])
    if person["street"] or person["city"] or person["zip"]:
        _address(add(made, "addr"), person)
    return made


def _gender(sex):
    return {"code": GENDERS[sex], "codeSystem": GENDER_CODES} if sex in GENDERS else {"nullFlavor": "UNK"}


def _name(element, person):
    given = (person.get("given", ""), person.get("middle", ""))
    for text in given if given[1] else given[:1] if given[0] else ():     # the second is the middle name: it needs a first before it
        add(element, "given", text)
    if person.get("family"):
        add(element, "family", person["family"])


def _address(element, person):
    for name, field in (("streetAddressLine", "street"), ("city", "city"), ("postalCode", "zip")):
        if person.get(field):
            add(element, name, person[field])


def _provide(role, root, names):
    """The organization whose numbers stand in the role's id (E.2: one number space, its root, no extension)."""
    made = add(role, "providerOrganization", classCode="ORG", determinerCode="INSTANCE")
    add(made, "id", root=root)
    if root in names:
        add(made, "name", names[root])
    add(add(made, "contactParty", classCode="CON"), "telecom", nullFlavor="UNK")


def _name_parts(element):
    """{field: text} of family, given and middle. A maiden name or another part with a qualifier is none of them."""
    def parts(name):
        return [_text(one) for one in find_all(element, name) if one.get("qualifier", "") in ("", "CL", "IN")]

    families, given = parts("family"), parts("given")
    family = families[0] if families else "" if len(element) else _text(element)
    return {"family": family, "given": given[0] if given else "", "middle": given[1] if len(given) > 1 else ""}


def _address_parts(element):
    def part(*names):
        return " ".join(_text(one) for name in names for one in find_all(element, name))

    return {"street": part("streetAddressLine") or part("streetName", "houseNumber"), "city": part("city"), "zip": part("postalCode")}


def _read_role(role):
    """(identifiers, person) of a patient: identifiers of the person's other roles are the patient's, too (E.2)."""
    found = [(one.get("root", ""), one.get("extension")) for one in find_all(role, "id") + find_all(role, "patientPerson/asOtherIDs/id")
             if one.get("extension")]
    person = dict.fromkeys(PERSON, "")
    made = find(role, "patientPerson")
    if made is None:
        return found, person
    names = find_all(made, "name")
    if names:
        legal = [one for one in names if "L" in one.get("use", "L").split()]
        person |= _name_parts((legal or names)[0])
    phones = [one.get("value", "") for one in find_all(made, "telecom") if one.get("value", "").startswith("tel:")]
    gender, addresses = find(made, "administrativeGenderCode"), find_all(made, "addr")
    return found, person | (_address_parts(addresses[0]) if addresses else {}) | {
        "phone": unquote(phones[0].removeprefix("tel:")) if phones else "", "birth_date": _code(made, "birthTime", "value")[:8],
        "sex": SEXES.get(gender.get("code"), "U") if gender is not None else ""}


# ITI-44

class Feed(NamedTuple):
    """What a feed says: the patient's identifiers, the person, and the identifiers that were merged into the patient's."""

    identifiers: list
    person: dict
    subsumed: list


def feed(name, devices, identifier, person, subsumed=None):
    """ADD, REVISE, or RESOLVE with the subsumed identifier (3.44.4.1.2, 3.44.4.2.2)."""
    made, act = _request(name, devices)
    event, role = _registration(act, {"root": devices[0]})
    _identify(role, [identifier], {})
    _describe(role, person, whole=name != RESOLVE)              # a merge brings no other news of the patient (3.44.4.2.2.2)
    _provide(role, identifier[0], {})
    if name == RESOLVE:
        prior = add(add(event, "replacementOf", typeCode="RPLC"), "priorRegistration", classCode="REG", moodCode="EVN")
        add(prior, "statusCode", code="obsolete")
        root, extension = subsumed
        add(add(add(prior, "subject1", typeCode="SBJ"), "priorRegisteredRole", classCode="PAT"), "id", root=root, extension=extension)
    return made


def read_feed(body):
    """The Feed of an interaction of ITI-44. Raises BadInteraction."""
    name = body.tag.rpartition("}")[2]
    roles = find_all(body, PATIENT)
    if len(roles) != 1:
        raise BadInteraction(Problem("101", f"An identity feed is about one patient, not {len(roles)}.", f"/{name}/{PATIENT}"))
    identifiers, person = _read_role(roles[0])
    subsumed = [(one.get("root", ""), one.get("extension")) for one in find_all(body, f"{SUBSUMED}/id") if one.get("extension")]
    if not identifiers:
        raise BadInteraction(Problem("101", "The patient has no id with a root and an extension.", f"/{name}/{PATIENT}/id"))
    if len(subsumed) != (name == RESOLVE):
        raise BadInteraction(Problem("101", "A merge names one subsumed identifier; an added or revised record names none.",
                                     f"/{name}/{SUBSUMED}/id"))
    return Feed(identifiers, person, subsumed)


def acknowledgement(request, problems=()):
    """The accept acknowledgement of a request: CA, or CE with Problems (O.1.2)."""
    return _answer(ACKNOWLEDGEMENT, request, "CE" if problems else "CA", problems)


# ITI-45 and ITI-47: questions

class Asked(NamedTuple):
    """What a query asks for.

    query_id    : the attributes of its queryId
    identifiers : of the patient
    domains     : list of (OID, XPath of its value): the assigning authorities whose identifiers are wanted, all if empty
    criteria    : list of {field of a person: text}, of which one has to be fulfilled; a * at the end of a text matches anything
    born        : (first, last), both YYYY, YYYYMM or YYYYMMDD or "", between which the person was born
    quantity    : how many persons are wanted at first; None for all
    """

    query_id: dict
    identifiers: list
    domains: list
    criteria: list = ()
    born: tuple = ("", "")
    quantity: int | None = None


def pix_query(devices, identifier, domains=()):
    """The PIX query of an identifier; `domains` are the OIDs of the assigning authorities of interest (3.45.4.1.2)."""
    made, act = _request(PIX_QUERY, devices)
    author = add(act, "authorOrPerformer", typeCode="AUT")
    add(add(author, "assignedDevice", classCode="ASSIGNED"), "id", root=devices[0])
    parameters = _query(act)
    for root in domains:
        _parameter(parameters, "dataSource", root=root)
    _parameter(parameters, "patientIdentifier", root=identifier[0], extension=identifier[1])
    return made


def pdq_query(devices, criteria, domains=(), quantity=None):
    """The demographics query (3.47.4.1.2).

    criteria : {field of a person: text}; birth_date may be a pair (first, last), number is an identifier. A * at the end of family, given
               or middle makes the whole name inexact: HL7 v3 has no other wildcard than use="SRCH"
    quantity : how many persons the answer may bring at first
    """
    made, act = _request(PDQ_QUERY, devices)
    parameters = _query(act, quantity, modal=True)
    if criteria.get("sex"):
        _parameter(parameters, "livingSubjectAdministrativeGender", **_gender(criteria["sex"]))
    if isinstance(criteria.get("birth_date"), tuple):
        value = _parameter(parameters, "livingSubjectBirthTime")
        for end, date in zip(("low", "high"), criteria["birth_date"]):
            if date:
                add(value, end, value=date)
    elif criteria.get("birth_date"):
        _parameter(parameters, "livingSubjectBirthTime", value=criteria["birth_date"].rstrip("*"))
    if criteria.get("number"):
        _parameter(parameters, "livingSubjectId", root=criteria["number"][0], extension=criteria["number"][1])
    name = {field: criteria[field] for field in PERSON[:3] if criteria.get(field)}
    if name:
        inexact = {"use": "SRCH"} if any(text.endswith("*") for text in name.values()) else {}
        _name(_parameter(parameters, "livingSubjectName", **inexact), {field: text.rstrip("*") for field, text in name.items()})
    for root in domains:
        _parameter(parameters, "otherIDsScopingOrganization", root=root)
    if any(criteria.get(field) for field in PERSON[5:8]):
        _address(_parameter(parameters, "patientAddress"), criteria)
    return made


def _query(act, quantity=None, modal=False):
    query = add(act, "queryByParameter")
    add(query, "queryId", root=str(uuid.uuid4()))
    add(query, "statusCode", code="new")
    if modal:
        add(query, "responseModalityCode", code="R")
    add(query, "responsePriorityCode", code="I")
    if quantity is not None:
        add(query, "initialQuantity", value=str(quantity))
    return add(query, "parameterList")


def _parameter(parameters, name, **attributes):
    """The value of a new parameter."""
    made = add(parameters, name)
    value = add(made, "value", **attributes)
    add(made, "semanticsText", SEMANTICS[name])
    return value


def read_pix_query(body):
    """What a PIX query asks for: an Asked. Raises BadInteraction."""
    query_id, values, where = _read_query(body, ("dataSource", "patientIdentifier"))
    if len(values["patientIdentifier"]) != 1:
        raise BadInteraction(Problem("101", "A PIX query has one patientIdentifier with one value.", f"{where}/patientIdentifier"))
    (identifier, _), = values["patientIdentifier"]
    return Asked(query_id, [(identifier.get("root", ""), identifier.get("extension", ""))],
                 [(value.get("root", ""), place) for value, place in values["dataSource"]])


def read_pdq_query(body):
    """What a demographics query asks for: an Asked. Raises BadInteraction."""
    query_id, values, where = _read_query(body, tuple(SEMANTICS)[2:])
    one = {}
    for value, place in values["livingSubjectAdministrativeGender"]:
        one["sex"] = SEXES.get(value.get("code"), "U" if value.get("nullFlavor") else None)
        if one["sex"] is None:
            raise BadInteraction(Problem("103", f"{value.get('code')} is no administrative gender (F, M, UN).", place))
    born = ("", "")
    for value, place in values["livingSubjectBirthTime"]:
        if value.get("value"):
            date = _date(value.get("value"), place)
            one["birth_date"] = date if len(date) == 8 else f"{date}*"
        else:
            born = tuple(_date(_code(value, end, "value"), place) for end in ("low", "high"))
            if not any(born):
                raise BadInteraction(Problem("102", "A time of birth is a date, or has a first or a last one.", place))
    names = [_wanted(_name_parts(value), "SRCH" in value.get("use", "").split()) for value, _ in values["livingSubjectName"]] or [{}]
    addresses = [_wanted(_address_parts(value)) for value, _ in values["patientAddress"]] or [{}]
    if len(names) * len(addresses) > MOST_ALTERNATIVES:
        raise BadInteraction(Problem("207", f"At most {MOST_ALTERNATIVES} alternatives are searched for at once.", where))
    criteria = [{**one, **name, **address} for name in names for address in addresses]
    identifiers = [(value.get("root", ""), value.get("extension", "")) for value, _ in values["livingSubjectId"]]
    if not all(criteria) and not identifiers and not any(born):
        raise BadInteraction(Problem("101", "The query asks for nothing that is searched by here.", where))
    quantity = find(body, f"{QUERY}/initialQuantity")
    return Asked(query_id, identifiers, [(value.get("root", ""), place) for value, place in values["otherIDsScopingOrganization"]],
                 criteria, born, None if quantity is None else _number(quantity, f"/{PDQ_QUERY}/{QUERY}/initialQuantity"))


def _read_query(body, known):
    """(queryId, {parameter: list of (value, its XPath)}, XPath of the parameterList). Raises BadInteraction."""
    where = f"/{body.tag.rpartition('}')[2]}/{QUERY}"
    listed, query_id = find(body, f"{QUERY}/parameterList"), find(body, f"{QUERY}/queryId")
    if listed is None or query_id is None:
        raise BadInteraction(Problem("101", "A query has a queryByParameter with queryId and parameterList.", where))
    where += "/parameterList"
    values, names, seen = {name: [] for name in known}, Counter(one.tag.rpartition("}")[2] for one in listed), Counter()
    wrong = [Problem("207", f"{name} can't be searched by.", f"{where}/{name}") for name in names if name not in (*known, "id")]
    if wrong:
        raise BadInteraction(*wrong)
    for parameter in listed:
        name = parameter.tag.rpartition("}")[2]
        seen[name] += 1
        if name in known:
            # XPath counts from 1; the repetition's number belongs into it (3.45.4.2.3, case 5).
            repetition = f"[{seen[name]}]" if names[name] > 1 else ""
            values[name] += [(value, f"{where}/{name}{repetition}/value") for value in find_all(parameter, "value")]
    return _id(query_id), values, where


def _wanted(parts, inexact=False):
    """The parts that say something, as criteria. A * is no wildcard in HL7 v3."""
    kept = {field: text.rstrip("*") for field, text in parts.items()}
    return {field: text + ("*" if inexact else "") for field, text in kept.items() if text}


def _date(text, place):
    """The date of a TS: YYYY, YYYYMM or YYYYMMDD. Raises BadInteraction."""
    found = re.match(r"\d{8}|\d{6}$|\d{4}$|$", text, re.ASCII)
    if not found:
        raise BadInteraction(Problem("102", f"{text} is no date.", place))
    return found[0]


def _number(element, place):
    text = element.get("value", "")
    if not _COUNT.fullmatch(text):
        raise BadInteraction(Problem("102", f"{text or 'nothing'} is no number of records.", place))
    return int(text)


# ITI-45 and ITI-47: answers

class Answer(NamedTuple):
    """What an acknowledgement or the answer to a query says.

    acknowledged : AA, AE, AR (application), CA, CE, CR (accept)
    code         : queryResponseCode: OK, NF, AE, QE; "" for an acknowledgement of a feed
    problems     : list of Problem
    people       : list of (list of identifiers, person)
    query_id     : the attributes of queryId
    message_id   : the attributes of the answer's own id
    remaining    : how many persons are still to be sent
    """

    acknowledged: str
    code: str
    problems: list
    people: list
    query_id: dict
    message_id: dict
    remaining: int


def pix_answer(request, identifiers=(), person=None, names=None, problem=None):
    """The answer to a PIX query: all identifiers in Patient.id, and the name (3.45.4.2.2). With a BadInteraction no patient is returned."""
    made, act = _query_answer(PIX_ANSWER, request, problem)
    if identifiers:
        _, role = _registration(act, _id(find(request, "receiver/device/id")))
        _identify(role, identifiers, names or {})
        _describe(role, person, whole=False)
    _query_end(act, find(request, QUERY), problem, len(identifiers))
    return made


def pdq_answer(request, people=(), total=0, remaining=0, wanted=(), names=None, problem=None, query=None):
    """The answer to a demographics query (3.47.4.2.2).

    people    : list of (identifiers, person)
    total     : how many were found; remaining: how many of them are still to be sent
    wanted    : the OIDs of the assigning authorities that were asked for: where a person has no number of one, it is said
    names     : {OID: name} of assigning authorities
    problem   : a BadInteraction; then no person is returned
    query     : the queryByParameter that is answered, when it is not in the request
    """
    names = names or {}
    made, act = _query_answer(PDQ_ANSWER, request, problem)
    for identifiers, person in people:
        _, role = _registration(act, _id(find(request, "receiver/device/id")))
        provider = identifiers[0][0]
        _identify(role, [one for one in identifiers if one[0] == provider], names)
        described = _describe(role, person)
        # Numbers of other assigning authorities are those of other roles, each scoped by its organization (E.2).
        missing = [(root, None) for root in wanted if root not in {one[0] for one in identifiers}]
        for root, extension in [*(one for one in identifiers if one[0] != provider), *missing]:
            _other(described, root, extension, names)
        _provide(role, provider, names)
        match = add(add(role, "subjectOf1"), "queryMatchObservation", classCode="OBS", moodCode="EVN")
        add(match, "code", code=MATCH)
        add(match, "value", value="100", **{f"{{{XSI}}}type": "INT"})           # all criteria are fulfilled
    query = query if query is not None else find(request, QUERY)
    continued = find(request, "controlActProcess/queryContinuation")
    _query_end(act, query if query is not None else continued, problem, total, (total, len(people), remaining))
    return made


def _query_answer(name, request, problem):
    made = _answer(name, request, "AE" if problem else "AA", problem.problems if problem else ())
    return made, _control_act(made, name)


def _query_end(act, query, problem, total, quantities=()):
    """queryAck, and the copy of the queryByParameter (O.2.2)."""
    end = add(act, "queryAck")
    add(end, "queryId", **_id(find(query, "queryId") if query is not None else None))
    add(end, "statusCode", code="deliveredResponse")
    add(end, "queryResponseCode", code=problem.code if problem else "OK" if total else "NF")
    for name, value in zip(("resultTotalQuantity", "resultCurrentQuantity", "resultRemainingQuantity"), quantities):
        add(end, name, value=str(value))
    if query is not None and query.tag == f"{{{HL7}}}queryByParameter":
        copy = deepcopy(query)
        for element in copy.iter():
            # A prefix that is used in the value of an xsi:type alone gets lost on the way; HL7 v3 is the default namespace of the answer.
            kind = element.get(f"{{{XSI}}}type", "")
            if ":" in kind:
                element.set(f"{{{XSI}}}type", kind.rpartition(":")[2])
        act.append(copy)


def _other(person, root, extension, names):
    """Another role of the person: its number, or that there is none."""
    made = add(person, "asOtherIDs", classCode="PAT")
    add(made, "id", **({"nullFlavor": "UNK"} if extension is None else _ii(root, extension, names)))
    add(add(made, "scopingOrganization", classCode="ORG", determinerCode="INSTANCE"), "id", root=root)


def read_answer(body):
    """The Answer that an acknowledgement (MCCI_IN000002UV01) or the answer to a query holds."""
    people = [_read_role(role) for role in find_all(body, PATIENT)]
    problems = [Problem(_code(one, "code"), _text(text) if (text := find(one, "text")) is not None else "",
                        " ".join(_text(place) for place in find_all(one, "location")))
                for one in find_all(body, "acknowledgement/acknowledgementDetail") if len(one)]
    end = "controlActProcess/queryAck"
    remaining = _code(body, f"{end}/resultRemainingQuantity", "value")
    return Answer(_code(body, "acknowledgement/typeCode"), _code(body, f"{end}/queryResponseCode"), problems, people,
                  _id(find(body, f"{end}/queryId")), _id(find(body, "id")), int(remaining) if _COUNT.fullmatch(remaining) else 0)


# Continuation of ITI-47

def continuation(devices, answer, quantity=None, start=None, cancel=False):
    """A message for more of what an Answer began, or that no more is wanted (3.47.4.3).

    quantity : how many persons, from the one of the number `start` on; as many as before, from the next one on, if None
    """
    made = _interaction(CONTINUATION, {"root": devices[1]}, {"root": devices[0]})
    _acknowledge(made, "AA", answer.message_id)
    more = add(_control_act(made, CONTINUATION), "queryContinuation")
    add(more, "queryId", **answer.query_id)
    for name, value in (("startResultNumber", start), ("continuationQuantity", 0 if cancel else quantity)):
        if value is not None:
            add(more, name, value=str(value))
    add(more, "statusCode", code="aborted" if cancel else "waitContinuedQueryResponse")
    return made


def read_continuation(body):
    """(attributes of queryId, quantity or None, number of the first person or None, whether it cancels). Raises BadInteraction."""
    where = "controlActProcess/queryContinuation"
    more = find(body, where)
    if more is None or find(more, "queryId") is None:
        raise BadInteraction(Problem("101", "A continuation has a queryContinuation with a queryId.", f"/{CONTINUATION}/{where}"))
    quantity, start = (None if (found := find(more, name)) is None else _number(found, f"/{CONTINUATION}/{where}/{name}")
                       for name in ("continuationQuantity", "startResultNumber"))
    return _id(find(more, "queryId")), quantity, start, _code(more, "statusCode") == "aborted"
