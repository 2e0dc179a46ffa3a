"""Who is who, and what is known of them: PIX, PDQ, matching, merges and XDS.b at work: the exercises of lesson chea-08.

Sources: IHE ITI TF-1 5 (PIX), 8 (PDQ), 10 (XDS.b); ITI TF-2 3.8, 3.9, 3.10, 3.18, 3.21, 3.41, 3.42; ITI TF-3 4.2; Fellegi and Sunter,
A Theory for Record Linkage, J. Am. Stat. Assoc. 64 (1969).
"""

import contextlib
import copy
import hashlib
import math
import random
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from io import BytesIO

from coursekit.checking import Client, Fields, Function, Kind, Lesson, Message, Number, Outcome, Server, Set, Text, running
from coursekit.checking.kinds.base import Difference
from coursekit.checking.kinds.text import word_of_a_table
from coursekit.checking.reading import Unclear, Unreadable, describe, is_a, plain
from coursekit.checking.verdict import Verdict
from coursekit.hospital import registry as exchange
from coursekit.hospital.staff import STREETS
from coursekit.standards import hl7, soap
from coursekit.standards.xds import facts
from coursekit.standards.xds.facts import APPROVED, DEPRECATED, DOCUMENT, SET
from coursekit.standards.xds.metadata import Code, Entry, association
from coursekit.systems import document_sharing, mllp
from coursekit.systems.document_sharing import query, retrieve
from coursekit.systems.patient_index import Identifier, PatientIndex, Person
from coursekit.systems.pix_manager import DOMAINS, FIELDS, PixManager
from coursekit.systems.registry import Refused, Registry
from coursekit.systems.repository import Repository
from coursekit.systems.system import HOST
from coursekit.systems.web import NoAnswer

lesson = Lesson(
    "chea-08",
    title="Patient identity and the XDS family",
    version=1,
    minutes=180,
    objectives=[
        "ask a PIX manager and a PDQ supplier, and tell from an answer what it says: found, alone, unknown patient, unknown domain",
        "set up a matching of patients by weights and two thresholds that links nobody wrongly, and say what a merge changes for whom",
        "query an XDS registry exactly, know what its matching has to do, and bring studies back that consumers no longer find",
    ],
    covers=["Specify and test enterprise wide IHE profiles such as PIX/PDQ and the XDS family (XDS.b, XDS-I.b, XDR, XCA)"],
    needs=["hl7-01", "cpia-07"],
)

TIME = "%Y%m%d%H%M%S"
HVGH, ECC, NMH = (exchange.OIDS[name] for name in ("HVGH", "ECC", "NMH"))
AUTHORITY = {oid: f"{name}&{oid}&ISO" for oid, name in DOMAINS.items()}
REPOSITORY = "2.999.1.1.72"
RESTRICTED = Code("R", exchange.NORMAL[1])
FIRST_NAMES = ("ANNA", "MARCO", "YUSUF", "TEMI", "ERIK", "GIULIA", "LINH", "SANNE", "ZOFIA", "JOAN", "TUNDE", "INES")
# Codes that the solutions of exercises 7 and 9 use as the notebook does.
IMAGES, REPORT = Code(*exchange.IMAGES), Code(*exchange.REPORT)
CT, MR, US = (Code(one, exchange.DCM, one) for one in ("CT", "MR", "US"))
HEAD, CHEST = Code("69536005", "2.16.840.1.113883.6.96", "Head"), Code("816094009", "2.16.840.1.113883.6.96", "Chest")      # PS3.16 CID 4


# --- who is in the exchange

def _person(name, birth_date, sex, address=""):
    """The Person of a DICOM name, an ISO date, a sex and "street, town"."""
    family, given, middle = (name.split("^") + ["", ""])[:3]
    street, _, city = address.partition(", ")
    return Person(family, given, middle, (birth_date or "").replace("-", ""), sex, street, city)


def _cast(hospital):
    """{(domain, number): Person} of the people of the lesson: those of the story, the guests of Eastcliff, and whom a merge concerns."""
    seen = hospital.registry
    known = {(one.domain, one.pid): _person(one.name, one.birth_date, one.sex, one.address) for one in seen.loaded}
    known |= {(one.domain, one.patient_id): _person(one.name, one.birth_date, one.sex, one.address) for one in seen.feed
              if one.answer == "AA" and one.trigger != "A40"}
    story = {one["pid"] for one in hospital.truth["people"].values()}
    wanted = [key for key in known if key[0] == "ECC" and key in seen.links and len(_others(seen, key)) > 0]
    wanted += [other for key in wanted for other in _others(seen, key)]
    wanted += [key for key in known if key[1] in story]
    merged = [(one.domain, number) for one in seen.feed if one.trigger == "A40" for number in (one.patient_id, one.retired_id)]
    return {key: known[key] for key in dict.fromkeys([*wanted, *merged]) if key in known}


def _others(seen, key):
    return [other for other, master in seen.links.items() if master == seen.links[key] and other != key]


def _adt(event, number, authority, person, control, retired=None):
    """A message of the identity feed (ITI-8): text."""
    name = "^".join((person.family, person.given, person.middle)).rstrip("^")
    structure = "ADT_A39" if event == "A40" else "ADT_A01"
    space, where = DOMAINS[authority], f"{person.street}^^{person.city}"
    lines = [f"MSH|^~\\&|{space}_ADT|{space}|NMH_INDEX|NMH|20250407080000||ADT^{event}^{structure}|{control}|P|2.3.1",
             f"EVN|{event}|20250407080000",
             f"PID|||{number}^^^{AUTHORITY[authority]}||{name}||{person.birth_date}|{person.sex}|||{where}".rstrip("^|")]
    return "\r".join([*lines, f"MRG|{retired}^^^{AUTHORITY[authority]}" if retired else "PV1||O"])


@lesson.input
def feed(hospital):
    """The identity feed of some of the region's people (ITI-8): a list of texts, the hospitals' numbers first, then the region's own."""
    cast, links, made, masters = _cast(hospital), dict(hospital.registry.links), [], {}
    temporary = hospital.truth["case_17"]["temporary_id"]
    links |= {("HVGH", temporary): one.master_id for one in hospital.registry.feed if one.patient_id == temporary}
    for number, ((domain, pid), person) in enumerate(cast.items(), 1):
        made.append(_adt("A04", pid, exchange.OIDS[domain], person, f"F{number:03}"))
        if (domain, pid) in links:
            masters.setdefault(links[domain, pid], person)
    for number, (master, person) in enumerate(sorted(masters.items()), 1):
        made.append(_adt("A04", master, NMH, person, f"N{number:03}"))
    return made


@lesson.input
def merge_of_the_night(hospital):
    """The merge of Case 17 as the region's index got it: a text."""
    case = hospital.truth["case_17"]
    who = _person(case["patient_name"], case["birth_date"], case["sex"])
    return _adt("A40", case["patient_id"], HVGH, who, "F900", case["temporary_id"])


@lesson.input
def anna(hospital):
    """The patient of Case 17: a dictionary with her name, numbers and the numbers that somebody typed or gave for a time."""
    case, seen = hospital.truth["case_17"], hospital.registry
    family, given = case["patient_name"].split("^")[:2]
    here = ("HVGH", case["patient_id"])
    eastcliff = next(number for domain, number in _others(seen, here) if domain == "ECC")
    return {"family": family, "given": given, "birth_date": case["birth_date"], "sex": {"F": "female", "M": "male"}[case["sex"]],
            "number": case["patient_id"], "at_eastcliff": eastcliff, "of_the_region": seen.links[here], "temporary": case["temporary_id"],
            "typed": case["typed_id"]}


@lesson.input
def guest(hospital):
    """Somebody who is known at Harbour Vale and at Eastcliff: a dictionary with the number at Eastcliff."""
    seen = hospital.registry
    mine = anna(hospital)["at_eastcliff"]
    known = [number for domain, number in _cast(hospital) if domain == "ECC" and _others(seen, (domain, number))]
    return {"number": next(number for number in known if number != mine)}


@lesson.input
def twins(hospital):
    """The numbers of two twins at Harbour Vale, of the same given name but for a letter: a list."""
    return [hospital.truth["people"][role]["pid"] for role in ("P4a", "P4b")]


@lesson.input
def merges(hospital):
    """The merges of thirty days as the region's index heard and answered them: a DataFrame."""
    frame = hospital.registry.frame("feed")
    shown = frame[frame["trigger"].isin(("A40", "A34"))]
    return shown[["at_utc", "trigger", "domain", "patient_id", "retired_id", "answer", "error"]].reset_index(drop=True)


@lesson.input
def refused(hospital):
    """What the region's registry did not take in thirty days: a DataFrame."""
    frame = hospital.registry.frame("log")
    shown = frame[(frame["transaction"] == "ITI-42") & (frame["status"] == "Failure")]
    made = shown[["at_utc", "source", "patient_id"]].assign(error=[one[0].code for one in shown["errors"]])
    return made.reset_index(drop=True)


@lesson.input
def submission(hospital):
    """What the region's registry has of one patient, as it would be registered (ITI-42): a list of Entry, documents and their set."""
    kept = [one for one in hospital.registry.entries
            if one.status == exchange.APPROVED and len(one.service_start) == 14 == len(one.service_stop)]
    several = {}
    for one in kept:
        several.setdefault(one.patient_id, []).append(one)
    mine = max(several.values(), key=lambda found: (len({one.event_codes for one in found}), len(found), found[0].patient_id))
    return _submission("5", [_registered(number, one) for number, one in enumerate(mine[:8], 1)])


def _registered(number, one):
    """A DocumentEntry of the hospital's exchange as an Entry."""
    return Entry(DOCUMENT, {
        "entryUUID": f"Document{number:02}", "mimeType": one.mime_type, "objectType": facts.STABLE, "creationTime": one.creation_time,
        "languageCode": one.language, "sourcePatientId": one.source_patient_id, "classCode": Code(*one.class_code),
        "confidentialityCode": (Code(*one.confidentiality),), "eventCodeList": tuple(Code(*code) for code in one.event_codes),
        "formatCode": Code(*one.format_code), "typeCode": Code(*one.type_code), "healthcareFacilityTypeCode": Code(*one.facility_type),
        "practiceSettingCode": Code(*one.practice_setting), "patientId": one.patient_id, "uniqueId": one.unique_id, "title": one.title,
        "serviceStartTime": one.service_start, "serviceStopTime": one.service_stop, "hash": one.hash, "size": str(one.size),
        "repositoryUniqueId": one.repository, "referenceIdList": one.reference_ids})


# --- what is asked of a manager

NOT_LOOKED = "?"                       # what a manager was asked for that refused before it looked


class _Recorder(PatientIndex):
    """An index that notes what it is asked for, and knows seven persons who fit everything."""

    def __init__(self):
        super().__init__(DOMAINS)
        self.asked = None

    def cross_reference(self, identifier, domains=None):
        """One number, whoever it is."""
        self.asked = {"number": identifier.number, "authority": identifier.domain, "domains": domains}
        return [Identifier(NMH, "NM1")]

    def search(self, criteria, domains=None):
        """Seven persons."""
        self.asked = {"criteria": criteria, "domains": domains}
        return [([Identifier(NMH, f"NM{number}")], Person("A", "B")) for number in range(7)]


def _octets(message):
    return message.encode() if isinstance(message, hl7.Message) else message.encode("utf-8") if isinstance(message, str) else message


def _sent(octets):
    """(message, answer, what the manager's index was asked for or None) of a message that is sent to a manager which runs for it."""
    message = hl7.parse(octets)
    index = _Recorder()
    try:
        with PixManager(index=index) as manager:
            try:
                answer = mllp.send(HOST, manager.hl7_port, octets)
            except NoAnswer as problem:
                raise ValueError(f"Sent to NMH_INDEX it brought no answer. {problem}") from None
    except mllp.NoAnswer as problem:
        raise ValueError(f"Sent to NMH_INDEX it brought no answer. {problem}") from None
    finally:
        index.close()
    return message, answer, index.asked


COMPLAINT, ANSWER = "Something in your query", "Your query as a whole"


def _form(message, answer):
    """The parts that both queries share."""
    return {
        "The list of segments": _odd_segments(message),
        "MSH-2": "four" if len(message["MSH-2"]) == len(set(message["MSH-2"])) == 4 else message["MSH-2"],
        **{f"MSH-{number}": message[f"MSH-{number}.1"] for number in (3, 4, 5, 6)},
        "MSH-7": "there" if re.match(r"\d{4}", message["MSH-7"]) else message["MSH-7"], "MSH-9": message["MSH-9"],
        "MSH-10": "there" if message.control_id else "",
        "MSH-11": "there" if message["MSH-11.1"] in ("P", "T", "D") else message["MSH-11.1"], "MSH-12": message["MSH-12.1"],
        "QPD-1": message["QPD-1.1"], "QPD-2": "there" if message["QPD-2"] else "",
        "The authority in QPD-3, as it is written,": _odd_authority(message["QPD-3"]) if message["MSH-9.2"] == "Q23" else "",
        "An authority in component 4": _two_domains(message["QPD-4" if message["MSH-9.2"] == "Q23" else "QPD-8"]),
        COMPLAINT: answer["ERR-2"] if answer else "none", ANSWER: answer["MSA-1"] if answer else "none",
    }


@lru_cache(maxsize=512)
def _pix_asked(octets):
    message, answer, asked = _sent(octets)
    asked = asked or {"number": NOT_LOOKED, "authority": NOT_LOOKED, "domains": (NOT_LOOKED,)}
    return {**_form(message, answer), "The number in QPD-3": asked.get("number", ""), "The authority in QPD-3": asked.get("authority", ""),
            "What QPD-3 holds": "several numbers" if "~" in message["QPD-3"] else "one number",
            "What stands behind QPD-4": "filled" if any(message[f"QPD-{number}"] for number in range(5, 10)) else "",
            "The type of an authority": _untyped(f"{message['QPD-3']}~{message['QPD-4']}"),
            "What QPD-4 has beside component 4": _beside_authorities(message["QPD-4"]),
            "QPD-4": " ".join(sorted(set(asked["domains"] or ()))),
            "RCP-1": message["RCP-1"]}


@lru_cache(maxsize=512)
def _pdq_asked(octets):
    message, answer, asked = _sent(octets)
    asked = asked or {"criteria": dict.fromkeys(PDQ_FIELDS, NOT_LOOKED), "domains": (NOT_LOOKED,)}
    criteria = asked.get("criteria", {})
    # Upper and lower case of names are the supplier's affair (3.21.4.1.3.2).
    compared = {key: criteria.get(key, "").upper() if key == "family" else criteria.get(key, "") for key in PDQ_FIELDS}
    form = _form(message, answer)
    said = {part: form.pop(part) for part in (COMPLAINT, ANSWER)}     # names tell more than the manager does
    return {**form, "The separator between two parameters": _odd_separator(message),
            "The name of a parameter in QPD-3": _odd_names(message["QPD-3"]), **said,
            **{f"{name} in QPD-3": compared[key] for key, name in PDQ_FIELDS.items()},
            "The list of parameters in QPD-3": " ".join(sorted(set(criteria) - set(PDQ_FIELDS))),
            "What stands in QPD-4 to QPD-7": "filled" if any(message[f"QPD-{number}"] for number in range(4, 8)) else "",
            "The type of an authority": _untyped(message["QPD-8"]),
            "What QPD-8 has beside component 4": _beside_authorities(message["QPD-8"]),
            "The field behind QPD-8": "filled" if message["QPD-9"] and not message["QPD-8"] else "",
            "QPD-8": " ".join(sorted(set(asked["domains"] or ()))),
            "RCP-1": message["RCP-1"], "The quantity in RCP-2": message["RCP-2.1"].lstrip("0"),
            "The unit in RCP-2": message["RCP-2.2"].split("&")[0].upper()}


WITH_COMPONENTS = ("@PID.3", "@PID.5", "@PID.11", "@PID.13")
PDQ_FIELDS = {"family": "The family name", "birth_date": "The birth date", "sex": "The sex"}


def _beside_authorities(text):
    """What else than component 4 is filled in the repetitions of a CX that names domains: numbers of components, in words."""
    parts = [part.split("^") for part in text.split("~")]
    filled = sorted({place for part in parts for place, one in enumerate(part, 1) if one and place != 4})
    return "".join(f"component {place} " for place in filled)


def _odd_segments(message):
    """What is odd about the segments of a query, in words; "" where MSH, QPD and RCP are there."""
    if "MSA" in message:
        return "answer"
    if re.search(r"[\r\n][ \t]+[A-Z]{3}\|", str(message)):
        return "indented"
    missing = [name for name in ("MSH", "QPD", "RCP") if name not in message]
    return "glued" if any(f"{name}|" in str(message) for name in missing) else "".join(f"{name} is missing. " for name in missing)


def _odd_authority(text):
    """What is odd about the assigning authority of the number in a CX, in words; "" when there is one that the region has."""
    authority = (text.split("~")[0].split("^") + [""] * 4)[3]
    space, oid, _ = (authority.split("&") + ["", ""])[:3]
    if not authority:
        return "without an authority"
    if space in DOMAINS:
        return "OID in the place of the namespace"
    if (space and space not in DOMAINS.values()) or (oid and oid not in DOMAINS):
        return "authority that nobody has"
    return "authority of two names" if space and oid and DOMAINS[oid] != space else ""


def _two_domains(text):
    """Whether a repetition of a CX names more than one domain in its component 4, in words."""
    for one in text.split("~"):
        parts = (one.split("^") + [""] * 4)[3].split("&")
        named = [part for part in parts if part in DOMAINS.values() or part in DOMAINS]
        if len({DOMAINS.get(part, part) for part in named}) > 1 and parts != [named[0], named[-1], "ISO"]:
            return "two domains in one"
    return ""


def _odd_separator(message):
    """What stands between two parameters of QPD-3 in place of `~`; "" where nothing is wrong with it."""
    if any("@PID" in message[f"QPD-{number}"] for number in range(4, 9)):
        return "|"
    between = re.search(r"([^~])@PID", message["QPD-3"])
    return between[1] if between else ""


def _untyped(text):
    """Whether the OID of an authority stands without the type ISO, in words."""
    for one in text.split("~"):
        parts = ((one.split("^") + [""] * 4)[3].split("&") + ["", ""])[:3]
        if parts[1] and parts[2] != "ISO":
            return "missing"
    return ""


def _odd_names(text):
    """What is odd about the names of the parameters of QPD-3, in words: of the first that no supplier knows; "" when there is none."""
    for one in text.split("~"):
        name = one.split("^")[0]
        if name not in FIELDS and not name.startswith("@PID.3.4"):
            return ("none" if not name else "escaped" if "\\" in name else "no @" if not name.startswith("@") else "hyphens" if "-" in name
                    else "without a component" if name in WITH_COMPONENTS else "unknown")
    return ""


def pix_asked(message):
    """What a PIX query asks for, by sending it to a manager: {part: value}. Raises ValueError."""
    return dict(_pix_asked(bytes(_octets(message))))


def pdq_asked(message):
    """What a PDQ query asks for, by sending it to a supplier: {part: value}. Raises ValueError."""
    return dict(_pdq_asked(bytes(_octets(message))))


REMARKS = {
    "The list of segments": "A query by parameter is MSH, QPD and RCP (Table 3.9-1, Table 3.21-1).",
    "MSH-2": "It has the four encoding characters, component, repetition, escape, subcomponent, each once: `^~\\&`. In a text of Python "
    "the backslash is written twice, in a raw text, r\"...\", once.",
    "MSH-7": "It is the time of the message, and HL7 v2.5 requires it (2.15.9.7); which time, is yours to choose.",
    "MSH-11": "HL7 requires it (2.15.9.11): `P` for production, `T` for training, `D` for debugging.",
    "MSH-3": "That is the application that sends.", "MSH-4": "That is the facility that sends.",
    "MSH-5": "That is the application that is asked.", "MSH-6": "That is the facility that is asked.",
    "The type of an authority": "An OID has its type behind it, ISO, in the third subcomponent (3.9.4.1.2.2).",
    "MSH-9": "It has three components: type, trigger event, and the structure that both queries share (3.9.4.1.2.1, 3.21.4.1.2.1).",
    "MSH-10": "Without a control ID nobody can tell which message an answer belongs to.",
    "MSH-12": "Both transactions are made of version 2.5.",
    "QPD-1": "IHE gives each query a name of its own, which is the first component; HL7's names are others.",
    "QPD-2": "The query tag is yours to choose, but it has to be there: the answer brings it back in QAK-1.",
    ANSWER: "The manager did not take it: MSA-1 of its answer is not AA.",
    "The separator between two parameters": "Parameters are repetitions of QPD-3, with `~` between them (3.21.4.1.2.3).",
    "The number in QPD-3": "The manager looked for another number than the patient's.",
    "The authority in QPD-3": "The manager looked in another domain than the one that gave the number out.",
    "QPD-4": "The manager understood other domains than those that are asked for; each stands in component 4 of a repetition of its own.",
    "What QPD-4 has beside component 4": "Of a domain that is wanted, component 4 alone is filled, behind three carets (3.9.4.1.2.2); "
    "several domains are repetitions, with `~` between them.",
    "What QPD-8 has beside component 4": "Of a domain that is wanted, component 4 alone is filled, behind three carets (3.21.4.1.2.4): "
    "component 1 is the place of a number, and the supplier looks for no domain there.",
    "The field behind QPD-8": "The domain stands one field too far back: *what domains returned* is QPD-8. Count the separators "
    "from QPD-3 on.",
    "What QPD-3 holds": "It is *one* number, and no repetition: whoever asks about two patients sends two queries.",
    "What stands behind QPD-4": "The query ends with QPD-4, what domains returned; further fields it does not have.",
    "What stands in QPD-4 to QPD-7": "ITI-21 leaves them empty, but for an algorithm that both sides have agreed on (3.21.4.1.2.3).",
    "The name of a parameter in QPD-3": "A name is written as in `@PID.5.1.1`, and has to be one that suppliers know (Table 3.21-3): look "
    "up the numbers of the fields.",
    "QPD-8": "The supplier understood other domains than the one that is asked for.",
    "The family name in QPD-3": "The supplier understood another name, or none.",
    "The birth date in QPD-3": "The supplier understood another date, or none: HL7 writes YYYYMMDD.",
    "The sex in QPD-3": "The supplier understood another sex, or none: table 0001 has capital letters.",
    "The list of parameters in QPD-3": "There is one that was not asked; each parameter narrows the search.",
    "RCP-1": "The answer is wanted immediately, and RCP-1 says so with a letter (3.9.4.1.2.3).",
    "The quantity in RCP-2": "It says how many persons come at a time; another number was asked (3.21.4.1.2.5.2).",
    "The unit in RCP-2": "Behind the quantity stands its unit, and the unit is records (3.21.4.1.2.5.2).",
}
ODD = {      # what is said of a part whose value tells what is wrong with it
    "glued": "Two segments run into each other: there is no carriage return, `\\r`, between them.",
    "answer": "It has an MSA, so it is the manager's answer. What is asked for is the query, the message that is sent.",
    "indented": "A segment is indented. Each begins at the beginning of its line, with its name; blanks before it are not allowed. "
    "(In a text within `\"\"\"` whatever stands in front of a line belongs to the text.)",
    "OID in the place of the namespace": "An OID stands where the namespace belongs. Component 4 is `namespace&OID&ISO`; without a "
    "namespace it begins with `&`.",
    "authority that nobody has": "Component 4 is filled, but with what no domain is called: compare it with the table, letter by letter; "
    "upper and lower case differ.",
    "authority of two names": "In component 4 the namespace is one domain's, and the OID another's.",
    "two domains in one": "Two domains stand in one component 4, with `&` between them. `&` separates the namespace, the OID and the type "
    "of *one* authority; several domains are repetitions of the field, each a CX of its own, with `~` between them.",
    "|": "`|` ends the field: what stands behind it is QPD-4 and so on, and the supplier does not look for parameters there. Parameters "
    "are repetitions of QPD-3, with `~` between them (3.21.4.1.2.3).",
    "&": "`&` separates subcomponents, so all that stands behind it belongs to the value before. Parameters are repetitions of QPD-3, "
    "with `~` between them (3.21.4.1.2.3).",
    "escaped": "`\\S\\` is how a caret is written that is part of a *value*. Between a name and its value stands the separator itself.",
}


def _remark(part, given, right, input):
    """A sentence on the first wrong part of a query."""
    if part == COMPLAINT and given:
        return (f"The manager answers with an error, and in its ERR-2 complains of `{given}`: segment, its number, field, repetition, "
                "component.")
    if part in ("QPD-4", "QPD-8") and NOT_LOOKED not in f"{given}":
        extra = [DOMAINS.get(one, one) for one in f"{given}".split() if one not in f"{right}".split()]
        missing = [DOMAINS.get(one, one) for one in f"{right}".split() if one not in f"{given}".split()]
        if extra and given:
            return (f"It asks for the numbers of {' and '.join(extra)}, which nobody wants here, and not for those of "
                    f"{' and '.join(missing)}." if missing else
                    f"It asks for the numbers of {' and '.join(extra)} as well, which nobody wants here.")
    return ODD.get(given) or REMARKS.get(part)


# Parts on which depends how what stands behind them is understood.
FIRST = ("The list of segments", "MSH-2", "An authority in component 4", "The separator between two parameters",
         "What QPD-4 has beside component 4", "What QPD-8 has beside component 4", "The field behind QPD-8")


def _lines(*segments):
    return "\r".join(segments)


HEADER = "MSH|^~\\&|ECC_PORTAL|ECC|NMH_INDEX|NMH|20250407080000+0200||"


@lesson.exercise
class PixQuery:
    """Write the message `pix_query`, a text. ECC_PORTAL of the facility ECC asks NMH_INDEX of the facility NMH: which numbers do
    **Harbour Vale and the region** have for Eastcliff's patient `guest["number"]`? Of other domains it wants none.

    | | namespace | OID |
    |---|---|---|
    | Harbour Vale | HVGH | 2.999.1.1 |
    | Eastcliff | ECC | 2.999.1.2 |
    | the region | NMH | 2.999.1.9 |

    Version 2.5. Control ID, query tag and time are yours to choose. It will be sent to a manager, and what counts is what that one
    understands: an authority by its namespace, by its OID, or by both is all the same.
    """

    answer = Message("pix_query", reading=pix_asked, objects=(hl7.Message,), remark=_remark, first=FIRST)
    points = 2

    def solution(guest):
        return "\r".join([
            "MSH|^~\\&|ECC_PORTAL|ECC|NMH_INDEX|NMH|20250407080000+0200||QBP^Q23^QBP_Q21|ECCQ0001|P|2.5",
            f"QPD|IHE PIX Query|TAG0001|{guest['number']}^^^ECC&2.999.1.2&ISO|^^^HVGH&2.999.1.1&ISO~^^^NMH&2.999.1.9&ISO",
            "RCP|I",
        ])

    def sender_of_the_model(guest):
        return PixQuery.solution(guest).replace("ECC_PORTAL|ECC|", "EMR|HVGH|")

    def backslash_doubled(guest):
        return PixQuery.solution(guest).replace("^~\\&", "^~\\\\&")

    def no_authority(guest):
        return PixQuery.solution(guest).replace("^^^ECC&2.999.1.2&ISO", "")

    def another_hospitals(guest):
        return PixQuery.solution(guest).replace("^^^ECC&2.999.1.2&ISO|", "^^^HVGH&2.999.1.1&ISO|")

    def annas_number(guest, anna):
        return PixQuery.another_hospitals(guest).replace(f"{guest['number']}^^^", f"{anna['number']}^^^")

    def names_alone(guest):
        return PixQuery.solution(guest).replace("^^^HVGH&2.999.1.1&ISO~^^^NMH&2.999.1.9&ISO", "HVGH~NMH")

    def everywhere(guest):
        return PixQuery.solution(guest).replace("|^^^HVGH&2.999.1.1&ISO~^^^NMH&2.999.1.9&ISO", "")

    def one_domain(guest):
        return PixQuery.solution(guest).replace("^^^HVGH&2.999.1.1&ISO~", "")

    def first_domain_alone(guest):
        return PixQuery.solution(guest).replace("~^^^NMH&2.999.1.9&ISO", "")

    def own_domain_too(guest):
        return PixQuery.solution(guest).replace("|^^^HVGH", "|^^^ECC&2.999.1.2&ISO~^^^HVGH")

    def by_demographics(guest):
        return PixQuery.solution(guest).replace("QBP^Q23", "QBP^Q22").replace("IHE PIX Query", "IHE PDQ Query")

    def name_of_hl7(guest):
        return PixQuery.solution(guest).replace("IHE PIX Query", "Q23^Get Corresponding IDs^HL70471")

    def two_components(guest):
        return PixQuery.solution(guest).replace("QBP^Q23^QBP_Q21", "QBP^Q23")

    def structure_of_its_own(guest):
        return PixQuery.solution(guest).replace("QBP^Q23^QBP_Q21", "QBP^Q23^QBP_Q23")

    def without_rcp(guest):
        return PixQuery.solution(guest).rpartition("\r")[0]

    def deferred(guest):
        return PixQuery.solution(guest).replace("RCP|I", "RCP|D")

    wrong_ways = {
        sender_of_the_model: "MSH still names the EMR of Harbour Vale as the sender. The manager may answer by who asks: what one "
        "consumer may hear, another may not; and its audit trail would hold a query that nobody made.",
        backslash_doubled: "MSH-2 has two backslashes: by that header the subcomponent separator is no longer `&`. In an ordinary text of "
        "Python one backslash is written `\\\\`, in a raw text, r\"...\", it stands as it is.",
        no_authority: "The number reaches the manager without its assigning authority: component 4 of QPD-3 is empty (count the carets). "
        "The manager answers that it does not know the domain, ERR-2 `QPD^1^3^1^4`. A number means something only within its domain "
        "(3.9.4.1.2.2).",
        annas_number: "You ask about Anna, as the query above did: QPD-3 has her number at Harbour Vale. Here it is Eastcliff's patient "
        "`guest[\"number\"]`, and the authority of that number is Eastcliff's.",
        another_hospitals: "You ask for an Eastcliff number in Harbour Vale's domain. The manager knows the domain and not the number; or "
        "worse, it knows one that is written alike and is somebody else.",
        names_alone: "QPD-4 is of type CX, with only its *fourth* component filled (3.9.4.1.2.2). Your names stand in the first, where a "
        "number belongs: the manager saw no restriction and returned all it has.",
        everywhere: "QPD-4 is empty, so you ask for the numbers of *all* domains, one day those of a third hospital too. What a consumer "
        "does not need it should not be sent.",
        one_domain: "You ask for the region's number alone. Several domains are repetitions of QPD-4.",
        first_domain_alone: "You ask for Harbour Vale's number alone. Several domains are repetitions of QPD-4.",
        own_domain_too: "You ask for Eastcliff's own numbers as well. If the patient has a second one there, it's a duplicate, and the "
        "portal has not been asked to deal with that.",
        by_demographics: "That is the other query, ITI-21: it finds people by their demographics. You have a number and want the "
        "person's other numbers: Q23, and its own name in QPD-1.",
        name_of_hl7: "QPD-1 has HL7's name of the query. IHE prescribes another, a text alone (3.9.4.1.2.2).",
        two_components: "MSH-9 lacks its third component, the message structure. ITI-9 wants all three (3.9.4.1.2.1).",
        structure_of_its_own: "The structure in MSH-9.3 does not exist. Q23 shares that of a whole family of queries, which is named after "
        "another event (3.9.4.1.2.1).",
        without_rcp: "RCP is missing. HL7 requires it in every query by parameter, and ITI-9 wants its first field (3.9.4.1.2.3).",
        deferred: "RCP-1 says *deferred*: answer some other time. ITI-9 knows the immediate answer only (3.9.4.1.2.3.1).",
    }
    hints = [
        "Take the query for Anna above as a model: three segments, of which QPD is to change, and the sender in MSH.",
        "QPD-3 is the number with its assigning authority in component 4; now it's Eastcliff's.",
        "QPD-4 holds a CX for each domain that you want, separated by `~`. Of each, component 4 alone is filled: three carets, then the "
        "authority.",
    ]
    praise = ("The manager was asked for what the portal needs and for nothing else. With a query without QPD-4, a third hospital's "
              "numbers would come along from the day on which it joins.")


# --- 2

STATUS = ("found", "alone", "unknown number", "unknown authority", "unknown target", "refused")


def _meant(answer, changed=None, numbers=None):
    """What an answer says, with one idea changed: another function for its word, another for the numbers."""
    said = ReadAnswers.solution(answer)
    return {"status": changed(answer, said["status"]) if changed else said["status"],
            "numbers": numbers(answer, said["numbers"]) if numbers else said["numbers"]}


class Numbers(Set):
    """Numbers that an answer has; an empty text among them is told as what it is."""

    def read(self, given):
        """As a Set."""
        value = plain(given)
        if type(value) is list and any(type(one) is str and not one.strip() for one in value):
            raise Unreadable('one of your numbers is an empty text. Where PID-3 is empty there is no number, and `"".split("~")` is '
                             '`[""]`: look for numbers only where QAK-2 says that something was found.')
        return super().read(given)


def _wrong_numbers(case, said):
    """A sentence on a meaning whose word is right and whose numbers are not; None of any other."""
    (answer,), right = case, ReadAnswers.solution(*case)
    given = list(said["numbers"])
    if word_of_a_table(said["status"]) != right["status"] or set(given) == set(right["numbers"]):
        return None
    told = f"The status is right, the numbers are not: {len(given)} of them, {', '.join(f'`{one}`' for one in given[:3]) or 'none'}."
    if len(given) > len(right["numbers"]) and any(one.split("^")[0] not in answer["PID-3"] for one in given):
        return (f"{told} Some are not in this answer. A list that is made outside of the function is the same one in every call, and "
                f"grows: make it inside. PID-3 here is `{answer['PID-3']}`.")
    return f"{told} PID-3 here is `{answer['PID-3']}`."


def _places(answer):
    """What of an answer tells its meaning, in words."""
    told = f"In that answer MSA-1 is `{answer['MSA-1']}`, QAK-2 `{answer['QAK-2']}`, ERR-2 `{answer['ERR-2']}`, PID-3 `{answer['PID-3']}`"
    return told + ("; what ERR-8 says is each vendor's own, and it may be empty." if "ERR" in answer else ".")


@lesson.exercise
class ReadAnswers:
    """Write the function `meaning(answer)`. It gets what a manager answered to a PIX query, as `hl7.parse` makes it, and returns a
    dictionary: `"status"`, a word of this table, and `"numbers"`, a list of **all** numbers (CX.1) that were found, else an empty list.

    | status | when |
    |---|---|
    | `found` | the patient has other numbers, and here they are |
    | `alone` | the manager knows the patient, and there is no number in the domains that were asked for |
    | `unknown number` | it does not know the number that was asked about |
    | `unknown authority` | it does not know the domain of that number |
    | `unknown target` | it does not know a domain whose numbers were wanted |
    | `refused` | it did not take the message at all (AR): there was no query |
    """

    answer = Function("meaning", result=Fields("", {"status": Text("", reading=word_of_a_table), "numbers": Numbers("", case=True)}),
                      about=_places, remark=_wrong_numbers)
    points = 3

    def solution(answer):
        numbers = []
        if answer["MSA-1"] == "AR":
            status = "refused"
        elif answer["QAK-2"] == "OK":
            status = "found"
            for one in answer["PID-3"].split("~"):
                numbers.append(one.split("^")[0])
        elif answer["QAK-2"] == "NF":
            status = "alone"
        elif answer["ERR-2.3"] == "4":
            status = "unknown target"
        elif answer["ERR-2.5"] == "4":
            status = "unknown authority"
        else:
            status = "unknown number"
        return {"status": status, "numbers": numbers}

    def cases(draw, anna):
        return [(answer,) for answer in _answers(draw, anna)]

    def by_msa_alone(answer):
        return _meant(answer, lambda one, said: "found" if one["MSA-1"] == "AA" else said)

    def nothing_found_is_unknown(answer):
        return _meant(answer, lambda one, said: "unknown number" if said == "alone" else said)

    def every_error_alike(answer):
        return _meant(answer, lambda one, said: "unknown number" if one["MSA-1"] == "AE" else said)

    def by_the_field(answer):
        return _meant(answer, lambda one, said: "unknown number" if said == "unknown authority" else said)

    def by_the_repetition(answer):
        return _meant(answer, lambda one, said: said if not said.startswith("unknown") else
                      "unknown target" if one["ERR-2.4"] == "4" else "unknown authority" if one["ERR-2.5"] == "4" else "unknown number")

    def by_component_alone(answer):
        return _meant(answer, lambda one, said: "unknown authority" if said == "unknown target" else said)

    def by_component_else_number(answer):
        return _meant(answer, lambda one, said: "unknown number" if said == "unknown target" else said)

    def first_target_only(answer):
        return _meant(answer, lambda one, said: "unknown number" if said == "unknown target" and one["ERR-2.4"] != "1" else said)

    def exchanged(answer):
        other = {"unknown number": "unknown authority", "unknown authority": "unknown number"}
        return _meant(answer, lambda one, said: other.get(said, said))

    def refused_as_error(answer):
        return _meant(answer, lambda one, said: "unknown number" if said == "refused" else said)

    def refused_as_nothing(answer):
        return _meant(answer, lambda one, said: "alone" if said == "refused" else said)

    def first_number(answer):
        return _meant(answer, numbers=lambda one, found: found[:1])

    def one_a_domain(answer):
        return _meant(answer, numbers=lambda one, found: list({part.split("^")[3]: part.split("^")[0]
                                                              for part in one["PID-3"].split("~") if part}.values()))

    def whole_cx(answer):
        return _meant(answer, numbers=lambda one, found: one["PID-3"].split("~") if found else [])

    def with_the_asked(answer):
        return _meant(answer, numbers=lambda one, found: [one["QPD-3.1"], *found] if found else [])

    wrong_ways = {
        by_msa_alone: "You go by MSA-1. AA says that the query could be *carried out*, not that anything was found: that stands in QAK-2 "
        "(3.9.4.2.2.6, case 2).",
        nothing_found_is_unknown: "QAK-2 `NF` you read as a number that nobody knows. The manager does know this patient; "
        "there is just nothing in the domains that were asked for (3.9.4.2.2.6, case 2). Nobody has to look for a typing error.",
        every_error_alike: "All AE are the same to you, because all have ERR-3 204, *unknown key identifier*. Which key is unknown, ERR-2 "
        "says (in the framework's list, 3.9.4.2.2.6, cases 3 to 5): a typing error at the desk, or a manager that nobody has told of a "
        "hospital. If you do ask it: what `answer[...]` gives is a text, `\"4\"`, and `== 4` is never true.",
        by_the_field: "An unknown authority comes out as an unknown number in yours. QPD-3 may be wrong in either: ERR-2.5 says in which "
        "component (3.9.4.2.2.6, cases 3 and 4), as a text, `\"4\"`, and not as a number. (ERR-8 is each vendor's own words.)",
        by_the_repetition: "You took ERR-2.4 for the field. ERR-2 is of type ERL: segment, its number, field, *repetition*, component, "
        "subcomponent.",
        by_component_alone: "Where a domain that was *wanted* is unknown, ERR-2 points at QPD-4, and has no component at all (3.9.4.2.2.6, "
        "case 5). You take it for the domain of the number.",
        by_component_else_number: "Where a domain that was *wanted* is unknown, ERR-2 points at QPD-4 (3.9.4.2.2.6, case 5). You take it "
        "for an unknown number. If you do ask for the field: it is a text, `\"4\"`, and `== 4` is never true.",
        first_target_only: "ERR-2.4 is the number of the repetition of QPD-4 that is at fault. It need not be the first.",
        exchanged: "Unknown number and unknown authority are exchanged. Component 1 of a CX is the number, component 4 who gave it out.",
        refused_as_error: "AR you read as an unknown number. The manager did not take the *message*: its event, its version. Nobody has "
        "looked for a patient.",
        refused_as_nothing: "AR you read as nothing found. The manager did not take the *message*; there is no QAK at all. A portal that "
        "shows this as *no other numbers* hides an interface that does not work.",
        first_number: "Of several numbers you return the first. PID-3 repeats, once for each.",
        one_a_domain: "Of several numbers of *one* domain you keep one. A consumer uses all of them or none (3.9.4.2.3): which one is "
        "the good one it can't know.",
        whole_cx: "The numbers are there, but each with all that stands behind it: `one` is a whole CX, number, authority and more. "
        "CX.1, its first component, is what stands before the first `^`.",
        with_the_asked: "The number that was asked about is none of those found. The answer leaves it out of PID-3 on purpose.",
    }
    hints = [
        "Look at QAK-2 first: of the answers above it tells two by itself.",
        "The rest are AE with 204 in all of them, and AR. For AE, ERR-2 tells where: ERR-2.3 is the field, ERR-2.5 the component.",
        'PID-3 is a text with `~` between the numbers: `for one in answer["PID-3"].split("~")`, and `one.split("^")[0]` is the number.',
        "Ask in this order: AR, OK, NF, the field of QPD that is at fault, the component; what is left is the last word.",
    ]
    praise = ("Different people have to act on these answers: nobody, the registration desk, the manager's administrator, the "
              "interface team. Portals that show one text for all of them make the desk search for typing errors that nobody made.")


# What managers of several vendors write into ERR-8, for people: nothing to go by.
SENTENCES = ("", "Unknown key identifier", "The patient or the domain is not known.", "Request rejected, see ERR-2", "PIX-0204")


def _answers(draw, anna):
    """Answers of a manager that runs for it, to queries of every sort: a list of ``hl7.Message``."""
    def number():
        return f"{draw.randrange(10_000, 99_999)}"

    index = PatientIndex(DOMAINS)
    found = []
    try:
        with PixManager(index=index) as manager, mllp.Sender(HOST, manager.hl7_port) as sender:
            people = {}
            for name, domain, prefix in (("ALONE", HVGH, "HV"), ("TWO", HVGH, "HV"), ("MANY", ECC, "EC-"), ("SOME", HVGH, "HV")):
                person = Person(name, draw.choice(FIRST_NAMES), birth_date=f"19{draw.randrange(30, 99)}0101")
                people[name] = Identifier(domain, f"{prefix}{number()}"), person
            for identifier, person in people.values():
                index.admit(identifier, person)
            for name, domain, new in (("TWO", NMH, f"NM{number()}"), ("MANY", HVGH, f"HV{number()}"), ("MANY", NMH, f"NM{number()}"),
                                      ("SOME", ECC, f"EC-{number()}")):
                index.admit(Identifier(domain, new), people[name][1])
            # Numbers of all sorts: with zeros in front, with small letters, long.
            people["ODD"] = Identifier(HVGH, f"00{number()}"), Person("ODD", draw.choice(FIRST_NAMES), birth_date="19700101")
            for identifier in (people["ODD"][0], Identifier(ECC, f"ec-{number()}x"), Identifier(NMH, f"NM{number()}{number()}{number()}")):
                index.admit(identifier, people["ODD"][1])
            second = Identifier(NMH, f"NM{number()}")
            index.admit(second, Person("MANY AGAIN", "X"))
            index.link(people["MANY"][0], second)
            old = Identifier(HVGH, f"HVTMP{number()}")
            index.admit(old, Person("UNKNOWN", "X"))
            index.merge(people["TWO"][0], old)

            def ask(identifier, wanted="", authority=None, event="QBP^Q23^QBP_Q21"):
                sender_name = draw.choice(("ECC_PORTAL", "EMR"))
                answer = _dated(sender.send(_lines(
                    f"MSH|^~\\&|{sender_name}|X|NMH_INDEX|NMH|20250407080000||{event}|Q{number()}|P|2.5",
                    f"QPD|IHE PIX Query|T{number()}|{identifier.number}^^^{authority or AUTHORITY[identifier.domain]}|{wanted}", "RCP|I")))
                if "ERR" in answer:
                    answer["ERR-8"] = draw.choice(SENTENCES)
                found.append(answer)

            hvgh, ecc, nmh = (f"^^^{AUTHORITY[one]}" for one in (HVGH, ECC, NMH))
            nobody, two, many = Identifier(HVGH, f"HV{number()}9"), people["TWO"][0], people["MANY"][0]
            ask(two, nmh)
            ask(many)
            ask(people["ALONE"][0])
            ask(people["SOME"][0], nmh)
            ask(nobody, nmh)
            ask(Identifier(HVGH, anna["typed"]))
            ask(old, nmh)
            ask(two, nmh, "HVGH&2.999.1.7&ISO")
            ask(many, hvgh, "EASTCLIFF")
            ask(two, "^^^GP&2.999.1.5&ISO")
            ask(many, f"{nmh}~^^^GP&2.999.1.5&ISO")
            ask(many, f"{nmh}~{hvgh}~{ecc}~^^^GP&2.999.1.5&ISO")
            ask(two, "", None, "QBP^Q24^QBP_Q21")
            ask(two, "", None, "QRY^Q23^QBP_Q21")
            # Messages that other managers do not take: of another version, and from a facility (MSH-4) that they do not know.
            for code, place in (("203^Unsupported version id^HL70357", "MSH^1^12^1^1"),
                                ("207^Application internal error^HL70357", "MSH^1^4^1^4")):
                ask(two, nmh, None, "QBP^Q24^QBP_Q21")
                found[-1]["ERR-3"], found[-1]["ERR-2"] = code, place
            ask(many, nmh)
            ask(people["ODD"][0], f"{ecc}~{nmh}")
            ask(Identifier(NMH, index.cross_reference(people["ODD"][0])[-1].number), hvgh)
    finally:
        index.close()
    return draw.sample(found, len(found))


@lesson.input
def answers(hospital):
    """Answers of NMH_INDEX to four queries about Anna and others: {what was asked: ``hl7.Message``}."""
    hers = anna(hospital)
    asked = {
        "her number at Harbour Vale": (f"{hers['number']}^^^HVGH", ""),
        "her number at Harbour Vale, and the numbers of the general practitioners": (f"{hers['number']}^^^HVGH", "^^^GP"),
        "what was typed at the scanner": (f"{hers['typed']}^^^HVGH", ""),
        "her number, given out by HVGHH": (f"{hers['number']}^^^HVGHH", ""),
        "the employee in her first week, the region's number": (f"{STAFF}^^^HVGH", "^^^NMH"),
    }
    numbers = [hers[one] for one in ("number", "at_eastcliff", "of_the_region")]
    known = [one for one in feed(hospital) if any(f"|{number}^^^" in one for number in numbers)]
    known.append(_adt("A04", STAFF, HVGH, Person("NEWCOMER", "IDA", birth_date="19900101", sex="F"), "F901"))
    with PixManager() as manager, mllp.Sender(HOST, manager.hl7_port) as sender:
        for message in known:
            sender.send(message)
        found = {}
        for number, (what, (about, wanted)) in enumerate(asked.items(), 1):
            message = _lines(f"{HEADER}QBP^Q23^QBP_Q21|Q{number}|P|2.5", f"QPD|IHE PIX Query|T{number}|{about}|{wanted}", "RCP|I")
            found[what] = _dated(sender.send(message))
        return found


def _dated(answer):
    """An answer with the course's time in MSH-7: it is shown, and this machine's clock is nobody's affair."""
    answer["MSH-7"] = "20250407080000+0200"
    return answer


STAFF = "HV199999"                     # somebody whom the region has no number for yet


# --- 3

@lesson.exercise
class PdqQuery:
    """Eastcliff's registration desk has no number at all: a woman says her name and her birth date. Write the message `pdq_query`, a text.
    ECC_PORTAL of the facility ECC asks NMH_INDEX of the facility NMH for everybody with

    - the family name `anna["family"]`,
    - the birth date `anna["birth_date"]`, and
    - the sex `anna["sex"]`, as HL7 table 0001 writes it;

    of whom it wants the numbers **of the region** alone, and **five persons** at a time. Version 2.5; control ID, query tag and time are
    yours to choose. It will be sent to a supplier, and what counts is what that one understands.
    """

    answer = Message("pdq_query", reading=pdq_asked, objects=(hl7.Message,), remark=_remark, first=FIRST)
    points = 2

    def solution(anna):
        born = anna["birth_date"].replace("-", "")
        return "\r".join([
            "MSH|^~\\&|ECC_PORTAL|ECC|NMH_INDEX|NMH|20250407080000+0200||QBP^Q22^QBP_Q21|ECCQ0002|P|2.5",
            f"QPD|IHE PDQ Query|TAG0002|@PID.5.1.1^{anna['family']}~@PID.7^{born}~@PID.8^F|||||^^^NMH&2.999.1.9&ISO",
            "RCP|I|5^RD",
        ])

    def right_behind(anna):
        return PdqQuery.solution(anna).replace("|||||^^^NMH", "|^^^NMH")

    def all_numbers(anna):
        return PdqQuery.solution(anna).replace("|||||^^^NMH&2.999.1.9&ISO", "")

    def date_with_hyphens(anna):
        return PdqQuery.solution(anna).replace(anna["birth_date"].replace("-", ""), anna["birth_date"])

    def sex_in_words(anna):
        return PdqQuery.solution(anna).replace("@PID.8^F", "@PID.8^female")

    def carets_between(anna):
        return PdqQuery.solution(anna).replace("~@", "^@")

    def hyphens_in_places(anna):
        return PdqQuery.solution(anna).replace("@PID.", "@PID-")

    def without_at(anna):
        return PdqQuery.solution(anna).replace("@PID", "PID")

    def whole_field(anna):
        return PdqQuery.solution(anna).replace("@PID.5.1.1", "@PID.5")

    def given_name(anna):
        return PdqQuery.solution(anna).replace("@PID.5.1.1", "@PID.5.2")

    def pid_itself(anna):
        born = anna["birth_date"].replace("-", "")
        return _lines(f"{HEADER}QBP^Q22^QBP_Q21|Q2|P|2.5", "QPD|IHE PDQ Query|T2||||||^^^NMH&2.999.1.9&ISO",
                      f"PID|||||{anna['family']}||{born}|F", "RCP|I|5^RD")

    def name_of_hl7(anna):
        return PdqQuery.solution(anna).replace("IHE PDQ Query", "Q22^Find Candidates^HL70471")

    def pix(anna):
        return PdqQuery.solution(anna).replace("Q22^QBP", "Q23^QBP").replace("IHE PDQ", "IHE PIX")

    def without_unit(anna):
        return PdqQuery.solution(anna).replace("5^RD", "5")

    def no_limit(anna):
        return PdqQuery.solution(anna).replace("|5^RD", "")

    wrong_ways = {
        right_behind: "The domain stands too far in front. There ITI-21 has nothing: QPD-4 to 7 are HL7's fields for search algorithms. "
        "*What domains returned* comes later here (Table 3.21-2) than in ITI-9, and the supplier saw no restriction.",
        all_numbers: "You let it return the numbers of all domains. The portal needs the region's, and gets Harbour Vale's for everybody "
        "of that name.",
        date_with_hyphens: "The birth date has hyphens, as databases write it. HL7 writes YYYYMMDD; the supplier finds nobody, and says "
        "so politely.",
        sex_in_words: "The sex is a word. Table 0001 has letters, and a supplier compares: nobody fits.",
        carets_between: "Between two parameters stands `^`, which separates a parameter's name from its value. Parameters are "
        "*repetitions* of QPD-3 (3.21.4.1.2.3): as you write it, there is one, and the rest is lost.",
        hyphens_in_places: "Places are named with dots here, `@PID.` and so on, not as people write them in speaking (3.21.4.1.2.3).",
        without_at: "The name of a parameter begins with `@` (3.21.4.1.2.3).",
        whole_field: "PID-5 has components; its parameter has to say which, and for a family name the subcomponent, too (3.21.4.1.2.3).",
        given_name: "That component of PID-5 is the given name. You search for everybody whose *first* name is Anna's family name.",
        pid_itself: "You filled a PID as an example to go by. A query has none: what is looked for stands in QPD-3, as names and values.",
        name_of_hl7: "QPD-1 has HL7's name of the query. IHE prescribes another, a text alone (3.21.4.1.2.2).",
        pix: "That is the other query, ITI-9: it needs a number to begin with, and the desk has none.",
        without_unit: "RCP-2 has a number and no unit. It is of type CQ: how many, and of what; ITI-21 wants records, RD (3.21.4.1.2.5.2).",
        no_limit: "Nothing limits the answer. For a rare name that does no harm; for a common one the desk waits for four hundred people.",
    }
    hints = [
        "QPD-3 has one repetition for each parameter: `@PID.<field>.<component>`, a caret, the value. Between repetitions stands `~`.",
        "Family name: PID-5, component 1, subcomponent 1. Birth date and sex are PID-7 and PID-8, which have no components to name.",
        "The region goes into QPD-8: from QPD-3 there are five `|`. RCP-2 is a number of records, with the unit behind a caret.",
    ]
    praise = ("A supplier may return more than exact matches, and may know wildcards; IHE leaves that to it (3.21.4.1.3.2). What you can "
              "rely on is that all exact matches are there, and that more than five wait behind a continuation pointer, DSC-1.")


# --- 4

TABLE = {                              # field: (m, u); as an index of a region of a million would have estimated them
    "family": (0.95, 0.002), "given": (0.95, 0.005), "birth_date": (0.98, 0.00005), "sex": (0.99, 0.5), "zip": (0.80, 0.02),
    "street": (0.75, 0.001), "phone": (0.70, 0.0005),
}


@lesson.input
def table(hospital):
    """{field: (m, u)}: how often a field agrees in two records of one person, and in those of two."""
    return dict(TABLE)


def _sum(one, other, table, agree=None, differ=None, missing=None):
    """The score with one idea changed: functions of (m, u); `missing` of (a, b, m, u)."""
    total = 0
    for name, (m, u) in table.items():
        a, b = one[name], other[name]
        if a == "" or b == "":
            total += missing(a, b, m, u) if missing else 0
        elif a == b:
            total += agree(m, u) if agree else math.log2(m / u)
        else:
            total += differ(m, u) if differ else math.log2((1 - m) / (1 - u))
    return total


def _compared_fields(one, other, table):
    """What differs and what is missing in two records, in words, where it is little."""
    known = {name: (one[name], other[name]) for name in table if one[name] and other[name]}
    differ = [f"`{name}` ({a!r} and {b!r})" for name, (a, b) in known.items() if a != b]
    alone = [f"`{name}`" for name in table if (one[name] == "") != (other[name] == "")]
    return (f"In that case {', '.join(differ) or 'nothing'} {'differ' if len(differ) > 1 else 'differs'}"
            + (f"; one of the two has no {', '.join(alone)}." if alone else "."))


@lesson.exercise
class Weigh:
    """Write the function `score(one, other, table)`: how much speaks for two records being one person. A record is a dictionary of texts;
    `table` has a pair (m, u) for each field that counts. Add up, field by field:

    - both records have a value, and the values are the same: log2(m / u);
    - both have a value, and they differ: log2((1 - m) / (1 - u));
    - one of the two, or both, have none, `""`: **nothing**. What is not known speaks neither for nor against.

    Values are compared as they stand: a blank, or `"U"`, is a value like any other. Other fields of the records do not count. The sum may
    be rounded to one decimal, its terms may not.
    """

    answer = Function("score", result=Number("", tolerance=0.051), about=_compared_fields)     # rounded to one decimal is right
    points = 2

    def solution(one, other, table):
        total = 0
        for name in table:
            m, u = table[name]
            if one[name] == "" or other[name] == "":
                continue
            if one[name] == other[name]:
                total = total + math.log2(m / u)
            else:
                total = total + math.log2((1 - m) / (1 - u))
        return total

    def cases(draw, people):
        made = []
        for _ in range(14):
            one = _record(draw, draw.choice(people))
            other = dict(one)
            for name in draw.sample(list(TABLE), draw.randrange(1, 4)):
                other[name] = draw.choice(("", "X"))
            for name in draw.sample(list(TABLE), draw.randrange(0, 3)):
                one[name] = ""
            made.append((one, other, {name: (m, u * draw.choice((1, 0.5))) for name, (m, u) in TABLE.items()}))
        both, neither = (_record(draw, draw.choice(people)) for _ in range(2))
        fewer = {name: TABLE[name] for name in ("family", "birth_date")}
        nothing, no_phone = dict.fromkeys(both, ""), both | {"phone": ""}
        # What a person would take for the same, or for nothing, and what is a value like any other: compared as it stands.
        near = [({"birth_date": "19610817"}, {"birth_date": "19610818"}), ({"birth_date": "19610817"}, {"birth_date": "19610871"}),
                ({"given": "RENÉ"}, {"given": "RENE"}), ({"given": "ANNA"}, {"given": "ANNEKE"}),
                ({"family": "DE-VRIES"}, {"family": "DE VRIES"}),
                ({"family": "JANSEN", "given": "JOAN"}, {"family": "JOAN", "given": "JANSEN"}),
                ({"phone": "043-0813967"}, {"phone": "0430813967"}), ({"phone": "0310813967"}, {"phone": "0430813967"}),
                ({"zip": "0447"}, {"zip": "447"}), ({"sex": "U"}, {"sex": "U"}), ({"phone": " "}, {})]
        alike = [(both | here, both | there, dict(TABLE)) for here, there in near]
        return [*made, (both, dict(both), fewer), (nothing, dict(nothing), dict(TABLE)), (both, neither, dict(TABLE)),
                (no_phone, dict(no_phone), dict(TABLE)), (both, both | {"given": both["given"].title()}, dict(TABLE)),
                (both, both | {"street": f"{both['street']} "}, dict(TABLE)), (both, both | {"sex": "X"}, dict(TABLE)), *alike]

    def missing_is_mismatch(one, other, table):
        return _sum(one, other, table, missing=lambda a, b, m, u: math.log2(m / u) if a == b else math.log2((1 - m) / (1 - u)))

    def missing_always_differs(one, other, table):
        return _sum(one, other, table, missing=lambda a, b, m, u: math.log2((1 - m) / (1 - u)))

    def both_missing_agree(one, other, table):
        return _sum(one, other, table, missing=lambda a, b, m, u: math.log2(m / u) if a == b else 0)

    def only_both_missing(one, other, table):
        return _sum(one, other, table, missing=lambda a, b, m, u: 0 if a == b else math.log2((1 - m) / (1 - u)))

    def only_the_first_is_asked(one, other, table):
        return _sum(one, other, table, missing=lambda a, b, m, u: math.log2((1 - m) / (1 - u)) if a else 0)

    def only_the_second_is_asked(one, other, table):
        return _sum(one, other, table, missing=lambda a, b, m, u: math.log2((1 - m) / (1 - u)) if b else 0)

    def differing_is_nothing(one, other, table):
        return _sum(one, other, table, differ=lambda m, u: 0)

    def differing_as_much(one, other, table):
        return _sum(one, other, table, differ=lambda m, u: -math.log2(m / u))

    def differing_turned(one, other, table):
        return _sum(one, other, table, differ=lambda m, u: math.log2((1 - u) / (1 - m)))

    def differing_half(one, other, table):
        return _sum(one, other, table, differ=lambda m, u: math.log2(1 - m))

    def natural(one, other, table):
        return _sum(one, other, table, lambda m, u: math.log(m / u), lambda m, u: math.log((1 - m) / (1 - u)))

    def decimal(one, other, table):
        return _sum(one, other, table, lambda m, u: math.log10(m / u), lambda m, u: math.log10((1 - m) / (1 - u)))

    def turned(one, other, table):
        return _sum(one, other, table, lambda m, u: math.log2(u / m), lambda m, u: math.log2((1 - u) / (1 - m)))

    def without_logarithm(one, other, table):
        return _sum(one, other, table, lambda m, u: m / u, lambda m, u: (1 - m) / (1 - u))

    def how_many(one, other, table):
        return _sum(one, other, table, lambda m, u: 1, lambda m, u: 0)

    def all_known_fields(one, other, table):
        return Weigh.solution(one, other, TABLE)

    def no_parentheses(one, other, table):
        return _sum(one, other, table, differ=lambda m, u: math.log2(1 - m / 1 - u))

    def case_ignored(one, other, table):
        return Weigh.solution(*({name: value.upper() for name, value in record.items()} for record in (one, other)), table)

    def blanks_ignored(one, other, table):
        return Weigh.solution(*({name: value.strip() for name, value in record.items()} for record in (one, other)), table)

    def written_alike(one, other, table):
        return Weigh.solution(*({name: value.strip().upper() for name, value in record.items()} for record in (one, other)), table)

    wrong_ways = {
        missing_is_mismatch: "An empty field is compared like any other: missing in one it counts as a difference, missing in both as an "
        "agreement. Somebody whose telephone nobody asked for would be less the same person for it, and two strangers more.",
        missing_always_differs: "A missing value counts as a difference. It is none: nobody knows what would stand there. Emergency "
        "patients, with little known of them, would never be found.",
        both_missing_agree: "Two empty fields count as an agreement. Two unknown telephone numbers are not the same telephone.",
        only_both_missing: "You leave a field out when *both* records lack it. One is enough: with what is a value to be compared?",
        only_the_first_is_asked: "You ask only whether `one` has a value. A field that only `other` lacks counts as a difference in "
        "yours.",
        only_the_second_is_asked: "You ask only whether `other` has a value. A field that only `one` lacks counts as a difference "
        "in yours.",
        differing_is_nothing: "A difference costs nothing in your sum. Two records with another birth date would be as much one person "
        "as two without.",
        differing_as_much: "A difference takes away as much as an agreement gives. That is not so: the birth dates of one person seldom "
        "differ, those of two hardly ever agree; the two weights come from different questions.",
        differing_turned: "The weight of a difference has the wrong sign: (1 - m) / (1 - u) is below 1, and its logarithm below zero.",
        differing_half: "For a difference you take (1 - m) alone. How often two persons' records differ, 1 - u, belongs beneath it.",
        natural: "You took the natural logarithm. The weights are asked to the base 2, in bits: one more doubles the odds.",
        decimal: "You took the logarithm to the base 10. The weights are asked to the base 2, in bits: one more doubles the odds.",
        turned: "m and u are exchanged: what agrees speaks *against* one person in your sum.",
        without_logarithm: "You add up the ratios themselves. Ratios multiply; it's their logarithms that may be added.",
        how_many: "You count fields that agree. The same birth date says ten thousand times more than the same sex; that is what the "
        "weights are for.",
        all_known_fields: "You take the weights from the table that the notebook shows, whatever `table` the function is given.",
        no_parentheses: "`log2` was given a number that is not above zero. Do 1 - m and 1 - u each have parentheses? Python divides before "
        "it subtracts: `1 - m / 1 - u` is 1 - m - u.",
        case_ignored: "Upper and lower case are the same to you. Many indexes do that, *before* they compare; here values are asked to be "
        "compared as they stand.",
        blanks_ignored: "You cut blanks off before you compare. Many indexes do; here values are asked to be compared as they stand.",
        written_alike: "You change case and blanks before you compare. Many indexes do; here values are asked to be compared as they "
        "stand.",
    }
    hints = [
        "A loop over the table, `for name in table`, and inside `m, u = table[name]`. `total` begins at 0.",
        "Ask first whether one of the two values is `\"\"`: `continue` goes on to the next field.",
        "`import math` brings `math.log2`. Then there are two more cases: the values are the same, or they are not.",
    ]
    praise = ("A sum of bits, each of which somebody can look at and argue about. No index of a hospital should be run whose links nobody "
              "can explain.")


# --- 5

@lesson.input
def ready_score(hospital):
    """The score of exercise 4, ready made."""
    return Weigh.solution


@lesson.input
def examples(hospital):
    """Pairs of records of every sort: a list of (what they are, one, other)."""
    pairs = _pairs(random.Random(f"examples {hospital.seed}"), people(hospital))
    ordered = sorted((pair for pair in pairs if pair.kind != "others"), key=lambda pair: (not pair.same, pair.kind))
    shown = {}
    for pair in ordered:
        shown.setdefault((pair.same, pair.kind, _differing(*pair) if pair.same else ""), pair)
    return [(f"one person: {told}" if same else f"two persons: {kind}", *pair) for (same, kind, told), pair in shown.items()][:60]


def _differing(one, other):
    """The fields that differ in two records, in words."""
    names = [name for name in TABLE if one[name] and other[name] and one[name] != other[name]]
    orders = {one["birth_order"], other["birth_order"]}
    told = "" if orders == {""} else "the same birth order in both" if len(orders) == 1 else "a birth order in one of them only"
    if one["given"].startswith("BABY") and other["given"].startswith("BABY"):
        told = "a newborn in both"
    missing = [name for name in TABLE if "" in (one[name], other[name])]
    lacks = next((f"no {name} in one of them" for name in missing if name in ("given", "birth_date")), "some is missing" if missing else "")
    return ", ".join(filter(None, [*(names or ["nothing differs"]), told, lacks]))


def _record(draw, person):
    """A record of a person: a dictionary of texts."""
    family, given, born, sex = person
    return {"family": family, "given": given, "birth_date": born, "sex": sex, "zip": f"{draw.randrange(1000, 9999)}",
            "street": f"{draw.choice(STREETS).upper()} {draw.randrange(1, 140)}", "phone": f"0{draw.randrange(10**8, 10**9)}",
            "birth_order": ""}


@lesson.input
def people(hospital):
    """Whom the region's index knows: a list of (family name, given name, birth date, sex)."""
    known = dict.fromkeys((one.name.split("^")[0], (one.name.split("^") + [""])[1], one.birth_date.replace("-", ""), one.sex)
                          for one in hospital.registry.loaded if one.birth_date and one.sex in ("F", "M"))
    return [one for one in known if one[0] and one[1]]


class Pair(tuple):
    """Two records, as the arguments of a matcher, with what the matcher is not told.

    same : whether they are one person
    kind : what is between them, a key of WHO
    """

    def __new__(cls, one, other, same, kind):
        made = super().__new__(cls, (one, other))
        made.same, made.kind = same, kind
        return made

    def __getnewargs__(self):
        return (*self, self.same, self.kind)


WHO = {     # what is said of a pair of two persons that was linked
    "twins": "They are twins: family name, birth date, sex, address and telephone all agree, because they *share* them. The weights are "
    "made for fields that agree by themselves; here one cause counts five times. Only the given names differ.",
    "twin without a name": "A given name is missing in one of them or in both, and what is known agrees: it may be the twin. What is not "
    "known is no agreement either.",
    "twins of one name": "Nearly everything agrees, the given name too. What differs is PID-25, the birth order: first and second of the "
    "same birth are two.",
    "newborn": "Both are called BABY, as every newborn is until there is a name: that is a placeholder, and two of one birth share all the "
    "rest.",
    "father and son": "Father and son, or mother and daughter: name, address and telephone agree; the birth dates are thirty years apart.",
    "father and son, a birth date missing": "Father and son of one name in one house, and a birth date is missing in one of them or "
    "in both: nothing tells them apart, and nothing says that they are one.",
    "namesakes of whom no more is known": "Two people with the same name, born on the same day; of address and telephone nothing is "
    "known in one of them. What is not known does not speak for one person: in a region of a million there are such pairs.",
    "namesakes": "Two people with the same name, born on the same day; neither address nor telephone agrees. In a region of a million "
    "there are such pairs.",
    "siblings": "Brothers and sisters: family name, address and telephone agree. Given names and birth dates differ.",
    "others": "Hardly anything agrees between them.",
}


def _pairs(draw, people):
    """A population of pairs that an index has found worth comparing: a list of Pair, half of them one person, half two."""
    made = []

    def someone():
        return _record(draw, draw.choice(people))

    def add(number, same, kind, make):
        for _ in range(number):
            one = someone()
            other = dict(one)
            make(one, other)
            turned = draw.random() < 0.5
            made.append(Pair(other, one, same, kind) if turned else Pair(one, other, same, kind))

    def some_missing(one, other):
        for name in draw.sample(("zip", "street", "phone"), draw.randrange(0, 3)):
            draw.choice((one, other))[name] = ""

    def moved(one, other):
        other["zip"], other["street"] = f"{int(one['zip']) % 8999 + 1001}", f"{one['street']} BIS"

    def new_phone(one, other):
        other["phone"] = f"0{draw.randrange(10**8, 10**9)}"

    def married(one, other):
        other["family"] = f"{draw.choice(people)[0]}-{one['family']}"

    def moved_away(one, other):
        moved(one, other)
        new_phone(one, other)

    def misspelt(one, other):
        other["given"] = one["given"][:-1] + draw.choice("EIO") + one["given"][-1:]

    def date_mistyped(one, other):
        year = one["birth_date"][:4]
        other["birth_date"] = one["birth_date"].replace(year, f"{int(year[:3])}{(int(year[3]) + 3) % 10}", 1)

    def nameless(one, other):
        other["given"] = ""

    def dateless(one, other):
        other["birth_date"] = ""

    def named_later(one, other):
        other["given"] = f"BABY {'GIRL' if one['sex'] == 'F' else 'BOY'}"

    add(138, True, "one person", some_missing)
    add(25, True, "one person", moved)
    add(20, True, "one person", new_phone)
    add(12, True, "one person", married)
    add(8, True, "one person", moved_away)
    add(10, True, "one person", misspelt)
    add(8, True, "one person", date_mistyped)
    add(6, True, "one person", nameless)
    add(6, True, "one person", dateless)
    add(5, True, "one person", named_later)

    def without_a_name_yet(one, other):
        one["given"] = other["given"] = f"BABY {'GIRL' if one['sex'] == 'F' else 'BOY'}"

    add(6, True, "one person", without_a_name_yet)

    def order_unknown(one, other):
        one["birth_order"] = draw.choice("12")

    def order_known(one, other):
        one["birth_order"] = other["birth_order"] = draw.choice("12")

    add(8, True, "one person", order_unknown)
    add(8, True, "one person", order_known)

    def another(name, other, make=None):
        value = draw.choice([one for one in FIRST_NAMES if one != other[name]])
        other[name] = make(value) if make else value

    def twins(one, other):
        another("given", other)

    def twins_of_like_names(one, other):
        one["given"], other["given"] = draw.choice((("ANNA", "ANNEKE"), ("MARTA", "MARTINE"), ("EMMA", "EVA"), ("JOAN", "JOANNE")))

    def twin_without_a_name(one, other):
        other["given"] = ""
        if draw.random() < 0.5:
            one["given"] = ""

    def of_one_birth(first, second):
        def orders(one, other):
            one["birth_order"], other["birth_order"] = first, second
        return orders

    def newborn(one, other):
        one["given"] = other["given"] = draw.choice(("BABY BOY", "BABY GIRL"))

    def newborn_of_one_order(one, other):
        newborn(one, other)
        draw.choice((one, other))["birth_order"] = draw.choice("12")

    def father_and_son(one, other):
        other["birth_date"] = f"{int(one['birth_date'][:4]) - 30}{one['birth_date'][4:]}"

    def father_and_son_undated(one, other):
        other["birth_date"] = ""
        if draw.random() < 0.5:
            one["birth_date"] = ""

    def barely_known(one, other):
        other["zip"] = other["street"] = other["phone"] = ""

    def namesakes(one, other):
        moved_away(one, other)
        if draw.random() < 0.3:
            draw.choice((one, other))["phone"] = ""

    def siblings(one, other):
        twins(one, other)
        other["birth_date"] = f"{int(one['birth_date'][:4]) + 2}0{draw.randrange(1, 10)}15"
        if draw.random() < 0.5:
            other["phone"] = ""

    def others(one, other):
        stranger = one
        while stranger["family"] == one["family"] or stranger["birth_date"] == one["birth_date"]:
            stranger = someone()
        other |= stranger
        other[draw.choice(("family", "birth_date"))] = ""
        shared = draw.choice(("family", "birth_date", "zip"))
        other[shared] = one[shared]

    add(24, False, "twins", twins)
    add(8, False, "twins", twins_of_like_names)
    add(10, False, "twin without a name", twin_without_a_name)
    for first, second in (("1", "2"), ("1", "2"), ("1", "3"), ("2", "3"), ("1", "2"), ("2", "3")):
        add(1, False, "twins of one name", of_one_birth(first, second))
    add(4, False, "newborn", newborn)
    add(4, False, "newborn", newborn_of_one_order)
    add(14, False, "father and son", father_and_son)
    add(10, False, "father and son, a birth date missing", father_and_son_undated)
    add(6, False, "namesakes of whom no more is known", barely_known)
    add(14, False, "namesakes", namesakes)
    add(30, False, "siblings", siblings)
    add(130, False, "others", others)
    draw.shuffle(made)
    return made


class Matcher(Function):
    """A function of two records that says "link", "review" or "apart", judged by what it does to a population.

    Right is whatever links no two persons (`Pair.same`), links enough of the pairs that are one by itself, sets few of them apart and
    leaves no more to people than they can look at. A wrong way is told by its decisions, anything else by the first thing that it does.
    """

    LINKED, LOST, REVIEWED = 0.70, 0.02, 1 / 3

    def __init__(self, variables):
        super().__init__(variables, result=Text("", reading=self._word))

    @staticmethod
    def _word(value):
        word = word_of_a_table(value)
        if word not in ("link", "review", "apart"):
            raise ValueError('say "link", "review" or "apart"')
        return word

    def judge(self, exercise, given, editions):
        """The verdict on the matcher."""
        (function,) = given
        if not callable(function) or is_a(function, str):
            return self._no_function(function)
        pairs = exercise.cases_on(editions.own)
        ran = running.run_all([lambda pair=pair: function(*copy.deepcopy(tuple(pair))) for pair in pairs], self.seconds)
        if ran.stopped:
            exercise.failed = tuple(pairs[len(ran.returned)])
            return self._stopped(ran, pairs)
        said = []
        for pair, value in zip(pairs, ran.returned, strict=True):
            try:
                said.append(self.result.read(value))
            except Unclear as unclear:
                exercise.failed = tuple(pair)
                return self._returned(self._as_written(pair), value, unclear)
        fault = self._fault(exercise, pairs, said)
        if fault is None:
            return Verdict(Outcome.CORRECT, exercise.praise, "correct", exercise.points)
        for way, feedback in exercise.wrong_ways.items():
            if self._results(exercise, way, pairs, editions.own) == said:
                return Verdict(Outcome.NOT_YET, f"{fault} {feedback}", way.__name__)
        return Verdict(Outcome.NOT_YET, fault + self._more(exercise, pairs), "value")

    def _fault(self, exercise, pairs, said):
        """The first thing that is not good enough, in a sentence; None when all is."""
        persons = sum(pair.same for pair in pairs)
        false = [pair for pair, word in zip(pairs, said, strict=True) if word == "link" and not pair.same]
        lost = [pair for pair, word in zip(pairs, said, strict=True) if word == "apart" and pair.same]
        reviewed = [pair for pair, word in zip(pairs, said, strict=True) if word == "review"]
        linked = sum(word == "link" and pair.same for pair, word in zip(pairs, said, strict=True))
        if false:
            exercise.failed = tuple(false[0])
            precision = linked / (linked + len(false))
            pairs_that_are = "pairs that are" if len(false) > 1 else "pair that is"
            return (f"It links {len(false)} {pairs_that_are} two persons: a precision of {100 * precision:.1f} %, "
                    "where a false link costs somebody a wrong treatment.")
        if len(lost) > self.LOST * persons:
            exercise.failed = tuple(lost[0])
            return (f"It links nobody wrongly, but sets {len(lost)} of {persons} pairs apart that are one person: nobody will ever "
                    "look at them.")
        if linked < self.LINKED * persons:
            open_ = [pair for pair, word in zip(pairs, said, strict=True) if word == "review" and pair.same]
            exercise.failed = tuple(next((pair for pair in open_ if exercise.solution(*pair) == "link"), open_[0]))
            return (f"It links nobody wrongly, but only {linked} of {persons} pairs that are one person by itself: a recall of "
                    f"{100 * linked / persons:.0f} %.")
        if len(reviewed) > self.REVIEWED * len(pairs):
            needless = [pair for pair in reviewed if exercise.solution(*pair) != "review"] or reviewed     # which good rules decide
            exercise.failed = tuple(next((pair for pair in needless if not pair.same), needless[0]))
            return f"It leaves {len(reviewed)} of {len(pairs)} pairs to people. Nobody will look at so many."
        return None

    def _more(self, exercise, pairs):
        """What can be said of the pair that is kept."""
        pair = next(pair for pair in pairs if tuple(pair) == exercise.failed)
        kept = f"{exercise.lesson.variable}.{exercise.handle}.failed"
        if pair.same:
            orders = {record["birth_order"] for record in pair}
            told = "" if orders == {""} else " In the first of them " + (
                "both records have the same birth order." if len(orders) == 1 else
                "one record has a birth order and the other has none: what is missing is no difference.")
            if any(record["given"].startswith("BABY") for record in pair):
                told = " The first of them is a newborn, whom two hospitals may know as any other patient: somebody has to look."
            elif any(record[name] == "" for record in pair for name in ("given", "birth_date")):
                told = " In the first of them one record lacks a given name or a birth date: what is missing is no difference."
        else:
            told = f" Of the first: {WHO[pair.kind][0].lower()}{WHO[pair.kind][1:]}"
        return f"{told} The first pair of this sort is kept in `{kept}`, a tuple of two records: `{self.variables[0]}(*{kept})`."


def _orders_differ(one, other):
    """Whether both have a birth order, and another one."""
    return one["birth_order"] != "" and other["birth_order"] != "" and one["birth_order"] != other["birth_order"]


def _agree(a, b):
    """Whether both are known, and the same."""
    return a != "" and a == b


def _agree_if_known(a, b):
    """Whether they are the same, or one of them is not known."""
    return "" in (a, b) or a == b


def _alike(a, b):
    """Whether they are the same, two that are not known too."""
    return a == b


def _decided(one, other, link=34, review=18, given=_agree, born=_agree, placeholder=True, order=_orders_differ, points=None):
    """The solution's decision with one idea changed."""
    total = (points or Weigh.solution)(one, other, TABLE)
    if order and order(one, other):
        return "apart"
    if total < review:
        return "apart"
    if total < link:
        return "review"
    if given and not given(one["given"], other["given"]):
        return "review"
    if born and not born(one["birth_date"], other["birth_date"]):
        return "review"
    if placeholder and one["given"].startswith("BABY"):
        return "review"
    return "link"


@lesson.exercise
class Decide:
    """Write the function `decide(one, other)`: two records of two hospitals, as above; it returns `"link"` (one person), `"review"`
    (somebody has to look) or `"apart"` (two persons). Use your `score` and the `table`, and whatever rules you find necessary beside the
    thresholds.

    It will be tried on some 500 pairs of this region that you have not seen, in which you will meet again what stands above: twins,
    newborn, fathers and sons, namesakes, mistypings, and much that is missing. It's right when

    - **no** pair of two persons is linked;
    - at least 70 % of the pairs that are one person are linked;
    - at most 2 % of those are set apart;
    - at most a third of all pairs is left to review.
    """

    answer = Matcher("decide")
    points = 3

    def solution(one, other):
        points = score(one, other, table)
        if one["birth_order"] != "" and other["birth_order"] != "" and one["birth_order"] != other["birth_order"]:
            return "apart"
        if points < 18:
            return "apart"
        if points < 34:
            return "review"
        for name in ("given", "birth_date"):
            if one[name] == "" or one[name] != other[name]:
                return "review"
        if one["given"].startswith("BABY"):
            return "review"
        return "link"

    def cases(draw, people):
        return _pairs(draw, people)

    def thresholds_alone(one, other):
        return _decided(one, other, given=None, born=None, placeholder=False, order=None)

    def given_names_ignored(one, other):
        return _decided(one, other, given=None)

    def unknown_is_the_same(one, other):
        return _decided(one, other, given=_agree_if_known)

    def two_unknown_are_the_same(one, other):
        return _decided(one, other, given=_alike, born=_alike)

    def birth_dates_ignored(one, other):
        return _decided(one, other, born=None)

    def unknown_date_is_the_same(one, other):
        return _decided(one, other, born=_agree_if_known)

    def placeholders_are_names(one, other):
        return _decided(one, other, placeholder=False)

    def birth_order_ignored(one, other):
        return _decided(one, other, order=None)

    def missing_order_differs(one, other):
        return _decided(one, other, order=lambda a, b: a["birth_order"] != b["birth_order"])

    def every_twin_apart(one, other):
        return _decided(one, other, order=lambda a, b: a["birth_order"] != "" or b["birth_order"] != "")

    def name_and_date_are_enough(one, other):
        return _decided(one, other, link=20)

    def nobody_looks(one, other):
        return "apart" if _decided(one, other) == "review" else _decided(one, other)

    def doubtful_is_linked(one, other):
        return "link" if _decided(one, other) == "review" else _decided(one, other)

    def all_must_agree(one, other):
        return _decided(one, other, link=56)

    def missing_speaks_against(one, other):
        return _decided(one, other, link=44, points=lambda a, b, c: _sum(a, b, c, missing=lambda x, y, m, u: math.log2((1 - m) / (1 - u))))

    def never_apart(one, other):
        return _decided(one, other, review=-100)

    def never_link(one, other):
        return "review" if _decided(one, other) == "link" else _decided(one, other)

    wrong_ways = {
        thresholds_alone: "Thresholds alone can't do it. The sum assumes that fields agree independently of each other; in a family they "
        "agree together: name, address, telephone, of twins the birth date too. Rules have to say what must never be overruled by the "
        "rest.",
        given_names_ignored: "Your rules let a link stand where the given names differ. That is what tells twins apart.",
        unknown_is_the_same: "Your rule compares given names only where both are known. Where one is missing, what remains can be the "
        "twin's.",
        two_unknown_are_the_same: "Your rules ask whether given names or birth dates differ, and two empty ones do not. `\"\" == \"\"` is "
        "true, and says nothing: what neither hospital knows can't make two records one person.",
        unknown_date_is_the_same: "Your rule compares birth dates only where both are known. Where one is missing, it may be the father, "
        "or the son of his name.",
        birth_dates_ignored: "Your rules let a link stand where the birth dates differ: fathers and sons of one name in one house.",
        placeholders_are_names: "BABY BOY is no given name, and two newborn who bear it agree in everything else. Until they have names, "
        "somebody has to look.",
        birth_order_ignored: "Nothing in your rules asks for the birth order. First and second of one birth are two, whatever agrees.",
        missing_order_differs: "A birth order that only one of the records has sets them apart. The other hospital has not asked for it: a "
        "birth order is a difference only where both have one.",
        every_twin_apart: "Whoever has a birth order is set apart, even from a record of his own. A twin is a patient like others: two "
        "birth orders have to *differ*.",
        name_and_date_are_enough: "Your upper threshold takes name, birth date and sex for enough even where address and telephone "
        "*differ*. So namesakes are linked.",
        nobody_looks: "There is no review in your function: what is doubtful is apart. Between the two thresholds a person decides; that "
        "is what Fellegi and Sunter have two for.",
        doubtful_is_linked: "There is no review in your function: what is doubtful is linked. Between the two thresholds a person "
        "decides; that is what Fellegi and Sunter have two for.",
        all_must_agree: "Your upper threshold can only be reached if everything is known and agrees. Hospitals know less than that of "
        "most.",
        missing_speaks_against: "A field that one of them lacks is counted against them, so few reach your threshold. What is missing "
        "says nothing.",
        never_apart: "Your lower threshold is so low that hardly anything is apart. A queue that nobody can work off is a queue that "
        "nobody works off.",
        never_link: "It links nothing. Safe, and of no use: every visit would wait for a person.",
    }
    hints = [
        "Begin with two thresholds on `score(one, other, table)`, and look at the scores above: which pairs of *two* persons have more "
        "than most pairs of one?",
        "A rule beside the sum: some differences must never be made up for by the rest. Which two fields tell twins, and father and son, "
        "apart?",
        "Placeholders and missing values are no names: two empty ones are not the same name, nor two empty birth dates the same date. And "
        "a birth order is only a difference where both have one.",
        "Upper threshold: above namesakes of whom no more is known, below a person who has moved. Lower threshold: below a person who has "
        "moved and has another telephone.",
    ]
    praise = ("No false link, and a queue that somebody can work off. In PIX all this happens inside the manager, and IHE says nothing "
              "of it (3.8.4.1.3): it belongs into the contract, with numbers like these.")


# --- 6

class Groups(Kind):
    """Who belongs together: a dictionary from each number to its person. How persons are called does not matter."""

    takes = "a dictionary from numbers to persons"

    def __init__(self):
        super().__init__("people")

    def read(self, given):
        """{number: the set of numbers of the same person}."""
        value = plain(given)
        if type(value) is not dict:
            raise Unclear(describe(given))
        people = {}
        for number, person in value.items():
            people.setdefault(repr(person), set()).add(number)
        return {number: frozenset(people[repr(person)]) for number, person in value.items()}

    def difference(self, answer, other):
        """None when the same numbers are there and belong together."""
        if answer == other:
            return None
        extra, missing = [one for one in answer if one not in other], [one for one in other if one not in answer]
        if extra:
            several = "s" * (len(extra) > 1)
            return Difference(f"It still has, or has made up, {len(extra)} number{several} that should not be there.", "extra")
        if missing:
            return Difference(f"{len(missing)} number{'s are' if len(missing) > 1 else ' is'} gone that should be there.", "missing")
        return Difference("All numbers are there that should be; but not the right ones belong together.", "groups")


def _after(people, surviving, retired, moved=True, gone=True, checked=("unknown", "authority", "same")):
    """The state after a merge with one idea changed."""
    after = dict(people)
    if "unknown" in checked and (surviving not in people or retired not in people):
        return after
    if "authority" in checked and surviving.split(":")[0] != retired.split(":")[0]:
        return after
    if "same" in checked and surviving == retired:
        return after
    to, old = after.get(surviving, f"new {surviving}"), after.get(retired)
    after[surviving] = to
    for number, person in people.items():
        if moved and person == old:
            after[number] = to
    if gone:
        after.pop(retired, None)
    else:
        after[retired] = to
    return after


@lesson.exercise
class TakeMerge:
    """Write the function `merge(people, surviving, retired)`: what an A40 does in a PIX manager. `people` is a dictionary from each
    living number, such as `"HVGH:HV100234"`, to its person; two numbers with the same person are cross-referenced. `surviving` is the
    number in PID-3, `retired` the one in MRG-1. The function returns the dictionary as it is **afterwards**:

    - `retired` is gone: whoever asks for it from now on gets *unknown number*;
    - **whatever was cross-referenced to it** is cross-referenced to `surviving` now;
    - everybody else stays as they are.

    A merge that has to be refused changes nothing: one of the numbers is not living (not known, or retired already), both are the same,
    or they are of two assigning authorities (the part before the colon).
    """

    answer = Function("merge", result=Groups())
    points = 2

    def solution(people, surviving, retired):
        after = dict(people)
        if surviving not in people or retired not in people:
            return after
        if surviving == retired or surviving.split(":")[0] != retired.split(":")[0]:
            return after
        old = people[retired]
        for number in people:
            if people[number] == old:
                after[number] = people[surviving]
        del after[retired]
        return after

    def cases(draw):
        made = []
        for _ in range(6):
            people, numbers = {}, {}
            for person in range(1, 6):
                for domain, prefix in (("HVGH", "HV"), ("ECC", "EC-"), ("NMH", "NM")):
                    if person <= 2 or draw.random() < 0.6:
                        number = f"{domain}:{prefix}{draw.randrange(10_000, 99_999)}"
                        people[number] = f"P{person}"
                        numbers[domain, person] = number
            temporary = f"HVGH:HVTMP{draw.randrange(1000, 9999)}"
            people[temporary] = "P9"
            again = f"HVGH:HV{draw.randrange(10_000, 99_999)}"
            people[again] = "P1"                          # a second number of Harbour Vale that somebody has linked by hand
            alike = f"HVGHH:HV{draw.randrange(10_000, 99_999)}"      # another authority, whose name begins as Harbour Vale's
            people[alike] = "P10"
            first, second = numbers["HVGH", 1], numbers["HVGH", 2]
            unknown = f"HVGH:HV{draw.randrange(100_000, 999_999)}"
            made += [(people, first, temporary), (people, first, second), (people, second, first), (people, first, again),
                     (people, unknown, second), (people, first, unknown), (people, first, first), (people, first, numbers["ECC", 2]),
                     (people, numbers["NMH", 2], first), (people, numbers["ECC", 1], numbers["ECC", 2]), (people, again, temporary),
                     (people, first, alike), (people, alike, temporary)]
        return [made[1], *draw.sample(made, len(made))]          # a merge with references first: the first that fails is shown

    def the_other_way_round(people, surviving, retired):
        return _after(people, retired, surviving)

    def references_lost(people, surviving, retired):
        return _after(people, surviving, retired, moved=False)

    def references_gone(people, surviving, retired):
        after = _after(people, surviving, retired)
        if len(after) < len(people):
            after = {number: person for number, person in after.items() if people[number] != people[retired] or number == surviving
                     or people[retired] == people[surviving]}
        return after

    def linked_only(people, surviving, retired):
        return _after(people, surviving, retired, gone=False)

    def one_number_moves(people, surviving, retired):
        return _after(people, surviving, retired, moved=False, gone=False)

    def across_authorities(people, surviving, retired):
        return _after(people, surviving, retired, checked=("unknown", "same"))

    def same_number(people, surviving, retired):
        return _after(people, surviving, retired, checked=("unknown", "authority"))

    def unknown_survivor_is_made(people, surviving, retired):
        return _after(people, surviving, retired, checked=("authority", "same")) if retired in people else dict(people)

    def unknown_retired_is_taken(people, surviving, retired):
        if retired not in people and surviving in people:
            return {**people, retired: people[surviving]}
        return _after(people, surviving, retired)

    def nearly_the_authority(people, surviving, retired):
        if surviving.split(":")[0][:2] == retired.split(":")[0][:2]:
            return _after(people, surviving, retired, checked=("unknown", "same"))
        return dict(people)

    def person_deleted(people, surviving, retired):
        after = _after(people, surviving, retired)
        return {number: after[number] for number in after if len(after) == len(people) or people[number] != people[retired]}

    def one_person_already(people, surviving, retired):
        if surviving in people and retired in people and people[surviving] == people[retired]:
            return dict(people)
        return _after(people, surviving, retired)

    def changed_on_the_way(people, surviving, retired):
        after = dict(people)
        if len(_after(people, surviving, retired)) == len(people):
            return after
        for number in after:
            if after[number] == after[retired]:
                after[number] = after[surviving]
        del after[retired]
        return after

    def nothing_is_checked(people, surviving, retired):
        return _after(people, surviving, retired, checked=("unknown",))

    wrong_ways = {
        the_other_way_round: "The wrong number survives. PID-3 holds the number that stays, MRG-1 the one whose use ends (3.8.4.2.4). So "
        "turned round, Anna is UNKNOWN FEMALE from now on.",
        references_lost: "The retired number is gone, and its cross-references stay behind with a person who has no number at Harbour "
        "Vale any more. A PIX manager replaces *any reference* that it holds to the retired number (3.8.4.2.3).",
        references_gone: "With the retired number you threw away all that was cross-referenced to it: Eastcliff's and the region's "
        "numbers are no longer known. They live on, with the survivor.",
        linked_only: "The retired number is still there, as one more number of the person. After a merge it must not be referenced any "
        "more (3.8.4.2.2.4): who asks for it gets unknown number. Two living numbers in one domain is a *link* (A24).",
        one_number_moves: "You moved the retired number to the other person, and nothing else: it still answers, and what was "
        "cross-referenced to it stays behind.",
        across_authorities: "You merge numbers of two assigning authorities. A merge is made *within* a domain (3.8.4.2.1); "
        "that two hospitals' numbers are one person is what cross-references are for. So Eastcliff would lose its patient.",
        same_number: "A number merged into itself is gone in yours. Such messages come, and have to be refused.",
        unknown_survivor_is_made: "You let a number survive that nobody knows: it gets the person of the retired one. A merge is no "
        "registration; both numbers have to be living.",
        unknown_retired_is_taken: "A retired number that nobody knows is put in, living, as a number of the survivor. It was merged away "
        "long ago, or never existed.",
        nearly_the_authority: "You compare only the beginning of the authorities. HVGH and HVGHH begin alike and are two: a number of "
        "another authority would be merged away. The authority is all that stands before the colon.",
        person_deleted: "The whole person of the retired number is gone. One number is retired; whatever else belonged to that person "
        "lives on, with the survivor.",
        one_person_already: "Where both numbers are one person already, linked by hand, yours changes nothing. Two living numbers of one "
        "patient in one domain are just what a merge ends: the retired one has to go.",
        changed_on_the_way: "Some of what was cross-referenced stays behind. Your loop asks for the person of the retired number each "
        "time, and changes that very person on its way; from there on it looks for somebody else. Keep the old person before the loop.",
        nothing_is_checked: "Both numbers are known, and that is all that you ask. A number must not be merged into itself, nor into one "
        "of another authority.",
    }
    hints = [
        "Begin with `after = dict(people)`, a copy, and with what has to be refused: `return after` as it is.",
        'Whether a number lives: `surviving in people`. The authority: `surviving.split(":")[0]`.',
        "Then a loop over all numbers: whoever has the person of the retired one gets the person of the surviving one. At the end "
        "`del after[retired]`.",
    ]
    praise = ("That is all that an A40 is: one number less, and its references moved. Everybody who keeps copies of numbers has to hear "
              "of it, and so it is sent to the manager, the archive, the registry; and the manager tells its consumers by ITI-10.")


# --- 7

def _documents(draw, patient, other):
    """Document entries of a region as plain data: a list of dictionaries."""
    def day(month="03"):
        return f"2025{month}{draw.randrange(2, 28):02}{draw.randrange(10, 20)}1500"

    rows = [
        ("CT head", IMAGES, (CT, HEAD), day(), APPROVED, patient), ("MR head", IMAGES, (MR, HEAD), day(), APPROVED, patient),
        ("CT chest", IMAGES, (CT, CHEST), day(), APPROVED, patient), ("MR chest", IMAGES, (MR, CHEST), day(), APPROVED, patient),
        ("US head", IMAGES, (US, HEAD), day(), APPROVED, patient),
        ("report on a CT head", REPORT, (CT, HEAD), day(), APPROVED, patient),
        ("CT head, replaced", IMAGES, (CT, HEAD), day(), DEPRECATED, patient),
        ("CT head in February", IMAGES, (CT, HEAD), day("02"), APPROVED, patient),
        ("CT head in April", IMAGES, (CT, HEAD), day("04"), APPROVED, patient),
        ("CT head at the first moment of March", IMAGES, (HEAD, CT), "20250301000000", APPROVED, patient),
        ("CT head at the first moment of April", IMAGES, (CT, HEAD), "20250401000000", APPROVED, patient),
        ("MR head on the last day of March", IMAGES, (MR, HEAD), f"20250331{draw.randrange(10, 20)}3000", APPROVED, patient),
        # Half an hour before and after midnight of the wall clock, +0100 in February and +0200 at the end of March, and the last second.
        ("CT head in the last hour of February", IMAGES, (CT, HEAD), "20250228233000", APPROVED, patient),
        ("CT head late on 31 March", IMAGES, (HEAD, CT), "20250331223000", APPROVED, patient),
        ("CT head in the last second of March", IMAGES, (CT, HEAD), "20250331235959", APPROVED, patient),
        ("CT head without a time", IMAGES, (CT, HEAD), None, APPROVED, patient),
        ("CT and MR head", IMAGES, (CT, MR, HEAD), day(), APPROVED, patient),
        ("CT head in codes of another scheme", IMAGES, (Code("CT", "2.999.1.9.15"), HEAD), day(), APPROVED, patient),
        ("images in another scheme's words", Code("IMAGES", "2.999.1.9.99"), (CT, HEAD), day(), APPROVED, patient),
        ("CT head in the last second of February", IMAGES, (CT, HEAD), "20250228235959", APPROVED, patient),
        ("CT head, restricted", IMAGES, (CT, HEAD), day(), APPROVED, patient),
        ("CT head, very restricted", IMAGES, (HEAD, CT), day(), APPROVED, patient),
        ("somebody else's CT head", IMAGES, (CT, HEAD), day(), APPROVED, other),
    ]
    draw.shuffle(rows)
    levels = {"CT head, restricted": RESTRICTED, "CT head, very restricted": Code("V", exchange.NORMAL[1])}
    return [{"name": name, "class": of_class, "events": events, "start": start, "status": status, "patient": whose,
             "level": levels.get(name, Code(*exchange.NORMAL)),
             "uid": f"2.999.120.9.{number}.{draw.randrange(1, 999)}"}
            for number, (name, of_class, events, start, status, whose) in enumerate(rows, 1)]


def _kept(number, patient, unique_id, **more):
    """A document entry as a repository registers it (ITI-42): an Entry."""
    return Entry(DOCUMENT, {
        "entryUUID": f"Document{number:02}", "mimeType": "application/dicom", "objectType": facts.STABLE, "creationTime": "20250407060000",
        "languageCode": "en-GB", "sourcePatientId": "HV1^^^&2.999.1.1&ISO", "classCode": IMAGES,
        "confidentialityCode": (Code(*exchange.NORMAL),),
        "formatCode": Code(*exchange.KOS), "typeCode": Code(*exchange.REPORT_TYPE), "healthcareFacilityTypeCode": Code(*exchange.HOSPITAL),
        "practiceSettingCode": Code("RAD", exchange.PRACTICES, "Radiology"), "patientId": patient, "uniqueId": unique_id, "title": "Images",
        "hash": "da39a3ee5e6b4b0d3255bfef95601890afd80709", "size": "0", "repositoryUniqueId": REPOSITORY, **more})


def _submission(number, entries, links=()):
    """A submission of document entries (a list of Entry) in a set: a list of Entry."""
    of_set = Entry(SET, {"entryUUID": "Set01", "submissionTime": "20250407060000", "contentTypeCode": IMAGES, "sourceId": "2.999.1.1.71",
                         "patientId": entries[0]["patientId"], "uniqueId": f"2.999.121.9.{number}"})
    return [*entries, of_set, *(association(facts.HAS_MEMBER, "Set01", one.id, facts.ORIGINAL) for one in entries), *links]


def _an_hour_later(time):
    return f"{datetime.strptime(time, TIME) + timedelta(hours=1):{TIME}}"


def _fill(registry, documents):
    """Put documents (of `_documents`) into a registry that runs."""
    for whose in dict.fromkeys(one["patient"] for one in documents):
        mine = [one for one in documents if one["patient"] == whose]
        cx = f"{whose}^^^&{registry.authority[1]}&ISO"
        registry.know(cx)
        entries = [_kept(number, cx, one["uid"], classCode=one["class"], eventCodeList=one["events"], serviceStartTime=one["start"],
                         confidentialityCode=(one["level"],), creationTime=_an_hour_later(one["start"] or "20250407050000")).copy()
                   for number, one in enumerate(mine, 1)]
        _must(registry.submit(_submission(f"{len(registry.patients())}", entries)))
        for number, old in enumerate([one for one in mine if one["status"] == DEPRECATED], 1):
            found = registry.query("GetDocuments", {"$XDSDocumentEntryUniqueId": [[old["uid"]]]})
            newer = _kept(1, cx, f"{old['uid']}.2", classCode=REPORT, eventCodeList=(US,))
            _must(registry.submit(_submission(f"9{number}", [newer], [association(facts.RPLC, newer.id, found[0].id)])))


def _must(problems):
    """Stop when a submission of the lesson's own was refused."""
    if problems:
        raise RuntimeError(problems[0].context)


def _unique_id(text):
    """A uniqueId as it is compared. Raises ValueError for an entryUUID."""
    if type(text) is not str:
        raise ValueError("a uniqueId is a text")
    if text.startswith("urn:uuid:"):
        raise ValueError("that is an entryUUID, the registry's own name of the entry, and the uniqueId of the document is asked")
    return text.strip()


def _chosen(state, drop=(), keep=()):
    """uniqueIds of what the question wants, with the documents of some names left out or added."""
    wanted = (*WANTED, *keep)
    return [one["uid"] for one in state["documents"] if one["name"] in wanted and one["name"] not in drop]


IN_FEBRUARY = ("CT head in the last hour of February", "CT head in the last second of February")
LATE = ("CT head late on 31 March", "CT head in the last second of March")
WANTED = ("CT head", "MR head", "CT head at the first moment of March", "MR head on the last day of March", "CT head without a time",
          "CT and MR head", "CT head, restricted", "CT head, very restricted", *LATE)
FEBRUARY, APRIL = ("CT head in February", *IN_FEBRUARY), ("CT head in April", "CT head at the first moment of April")
IN_ITI_18 = facts.QUERIES["FindDocuments"].parameters
LOCAL = ("The month is that of the wall clock in yours, and the registry's times are UTC. What began half an hour after local midnight "
         "began in the month before, in UTC.")


class _Asked(Registry):
    """A registry that notes what FindDocuments it is asked: `asked`, a list of {parameter: slots}, and `refused`, its complaints."""

    def __init__(self, *given):
        super().__init__(*given)
        self.asked, self.refused = [], []

    def query(self, name, given):
        """As every registry."""
        try:
            found = super().query(name, given)
        except Refused as refused:
            self.refused += refused.problems
            raise
        finally:
            if name == "FindDocuments":
                self.asked.append(given)
        return found


def _wider(asked):
    """The parameter by which a query asks for more than the unit wants; None when there is none."""
    def values(name):
        return [value for slot in asked[f"$XDSDocumentEntry{name}"] for value in slot]

    def whole(time):
        return time + "20250101000000"[len(time):]

    wide = ("Status" if set(values("Status")) != {APPROVED} else "ClassCode" if len(set(values("ClassCode"))) > 1 else
            "ServiceStartTimeFrom" if whole(min(values("ServiceStartTimeFrom"))) < "20250301" else
            "ServiceStartTimeTo" if whole(max(values("ServiceStartTimeTo"))) > "20250401000000" else None)
    return wide and f"$XDSDocumentEntry{wide}"


class Finder(Client):
    """A client of registries, of which it is told what the registries understood where that explains a wrong answer."""

    def judge(self, exercise, given, editions):
        """As for every client."""
        states = []
        self.noticed = states.append                     # is given every state when the servers have ended, and complains of none
        verdict = super().judge(exercise, given, editions)
        if verdict.correct:
            sorted_out = self._sorted_out(states)
            return Verdict(verdict.outcome, sorted_out, verdict.label, verdict.points) if sorted_out else verdict
        sentence = None if verdict.label == "unreadable" or not states else self._understood(states, verdict.label)
        return Verdict(verdict.outcome, sentence, "understood") if sentence else verdict

    @staticmethod
    def _sorted_out(states):
        """What is said of a right client that did not put all of its conditions into its queries; None of one that did."""
        wanted = ("PatientId", "Status", "ClassCode", "EventCodeList", "ServiceStartTimeFrom", "ServiceStartTimeTo")
        for state in states:
            for asked in state["heard"].asked:
                more = [name for name in asked if name[len("$XDSDocumentEntry"):] not in wanted]
                if more:
                    return (f"What you return is right here. But a query of yours also asks by `{more[0]}`, which is none of the unit's "
                            "six conditions: is it left over from an example? One day it leaves something out that the unit wants.")
                lacks = [f"`$XDSDocumentEntry{name}`" for name in wanted if f"$XDSDocumentEntry{name}" not in asked]
                if not lacks and len(asked["$XDSDocumentEntryEventCodeList"]) < 2:
                    lacks = ["a second slot of `$XDSDocumentEntryEventCodeList`"]
                wide = None if lacks else _wider(asked)
                if wide:
                    return (f"What you return is right. But a query of yours asks for more by `{wide}` than the unit is meant to see: "
                            "it has left the registry, and your function sorted it out afterwards. Where all six conditions stand in the "
                            "query as they are meant, nothing else leaves it.")
                if lacks:
                    return (f"What you return is right. But a query of yours went without {lacks[0]}: more than the unit is meant to see "
                            "has left the registry, and your function sorted it out afterwards. Where all six conditions stand in the "
                            "query, nothing else leaves it.")
        return None

    @staticmethod
    def _understood(states, label):
        """What a registry did not understand as it was meant, in a sentence; None where a wrong way says it better."""
        silent = [state["heard"].name for state in states if not state["heard"].asked]
        if silent:
            return f"The registry {silent[0]} was asked no FindDocuments at all." if label == "value" else None
        state = states[0]
        asked = {name: slots for one in state["heard"].asked for name, slots in one.items()}
        unknown = [name for name in asked if name not in IN_ITI_18]
        if unknown and all(not name.startswith("$") for name in unknown):
            return f"The registry does not know a parameter `{unknown[0]}`: names of parameters begin with `$`."
        if unknown:
            return (f"The registry does not know a parameter `{unknown[0]}`. It ignores what it does not know, without a complaint, as "
                    "ITI-18 allows; so a condition was lost. Look at the attribute's name again, letter by letter.")
        if state["heard"].refused:
            problem = state["heard"].refused[0]
            return f"The registry refused a query, {problem.code}: {problem.context}"
        for one in states:
            written = next((slots[0][0] for query in one["heard"].asked for name, slots in query.items() if name.endswith("PatientId")), "")
            if written != one["patient"] and label in ("nothing", "value"):
                return (f"The registry {one['heard'].name} was asked for the patient `{written}`, whom it does not know: that is no error "
                        "in ITI-18, but an empty list. It has patients as ID^^^&OID&ISO, without a namespace, with the `number` and the "
                        "`authority` that your function is given.")
        times = [name for name in asked if name.endswith(("TimeFrom", "TimeTo")) and "ServiceStartTime" not in name]
        if times and label in ("nothing", "value") and sum("ServiceStartTime" in name for name in asked) == 2:
            return f"You ask by `{times[0]}` too, and nobody has asked for that: is it left over from an example?"
        if any("ServiceStopTime" in name for name in asked) and label in ("nothing", "value", "any_time", "no_end", "no_beginning"):
            return ("You ask by serviceStopTime, when the examination *ended*, and these entries have none. When it began is another "
                    "attribute, serviceStartTime, and its parameters have its name.")
        if any("CreationTime" in name for name in asked) and label in ("nothing", "value", "any_time", "no_end", "no_beginning"):
            return ("You ask by creationTime, when the *document* was made. When the examination began is another attribute, "
                    "serviceStartTime, and its parameters have its name.")
        odd = [name for name in asked if not name.endswith(("PatientId", "Status", "ClassCode", "EventCodeList", "TimeFrom", "TimeTo"))]
        if odd and label in ("nothing", "value"):
            return f"You ask by `{odd[0]}` too, or in place of another: is it the attribute that holds what you ask for?"
        if not any(name.endswith("EventCodeList") for name in asked) and label == "all_in_one_slot":
            return "Nothing in your query asks for modality and region of the body. Both stand in eventCodeList."
        return None


@lesson.exercise
class FindDocuments:
    """A stroke unit wants to see, for a patient, **the approved images (class IMAGES) of the head, by CT or MR, that were begun in March
    2025 (UTC)**, and nothing else. Images of which the registry has no serviceStartTime count: nobody knows that they lie outside, so
    ITI-18 does not leave them out (3.18.4.1.2.3.3.1), and the unit wants to see them. Write the function `find(url, number, authority)`:
    it asks the registry at `url` by FindDocuments, and returns a list of the **uniqueIds** that it found.

    `number` is the patient's number in the region, and `authority` the OID of who gave it out: registries of several regions will be asked.
    `query`, `APPROVED` and the codes IMAGES, CT, MR, HEAD are those of the cells above.
    """

    answer = Finder("find", result=Set("", case=True, reading=_unique_id))
    points = 3

    def solution(url, number, authority):
        found = query(url, "FindDocuments", {
            "$XDSDocumentEntryPatientId": f"{number}^^^&{authority}&ISO",
            "$XDSDocumentEntryStatus": [APPROVED],
            "$XDSDocumentEntryClassCode": [IMAGES],
            "$XDSDocumentEntryEventCodeList": [[CT, MR], [HEAD]],
            "$XDSDocumentEntryServiceStartTimeFrom": "20250301",
            "$XDSDocumentEntryServiceStartTimeTo": "20250401",
        })
        uids = []
        for entry in found.entries:
            uids.append(entry["uniqueId"])
        return uids

    @contextlib.contextmanager
    def stage(draw):
        with contextlib.ExitStack() as running_:
            cases = []
            for name, oid in (("NMH", NMH), ("SFV", "2.999.8.1")):
                number = f"{name}{draw.randrange(1_000_000, 9_999_999)}"
                registry = running_.enter_context(_Asked(f"{name}_REGISTRY", (name, oid)))
                documents = _documents(draw, number, f"{number}0")
                _fill(registry, documents)
                cases.append(((registry.url, number, oid),
                              {"documents": documents, "heard": registry, "patient": f"{number}^^^&{oid}&ISO"}))
            yield cases

    def right(state):
        return _chosen(state)

    def all_in_one_slot(state):
        return _chosen(state, keep=("CT chest", "MR chest", "US head", "CT head in codes of another scheme"))

    def all_at_once(state):
        return _chosen(state, [name for name in WANTED if name != "CT and MR head"])

    def head_forgotten(state):
        return _chosen(state, keep=("CT chest", "MR chest"))

    def modality_forgotten(state):
        return _chosen(state, keep=("US head", "CT head in codes of another scheme"))

    def ct_alone(state):
        return _chosen(state, ("MR head", "MR head on the last day of March"))

    def mr_alone(state):
        return _chosen(state, [name for name in WANTED if "MR" not in name])

    def replaced_too(state):
        return _chosen(state, keep=("CT head, replaced",))

    def reports_too(state):
        return _chosen(state, keep=("report on a CT head", "images in another scheme's words"))

    def any_scheme(state):
        return _chosen(state, keep=("CT head in codes of another scheme", "images in another scheme's words"))

    def any_time(state):
        return _chosen(state, keep=(*FEBRUARY, *APRIL))

    def no_end(state):
        return _chosen(state, keep=APRIL)

    def no_beginning(state):
        return _chosen(state, keep=FEBRUARY)

    def end_included(state):
        return _chosen(state, keep=("CT head at the first moment of April",))

    def last_day_lost(state):
        return _chosen(state, ("MR head on the last day of March", *LATE))

    def last_moments_lost(state):
        return _chosen(state, LATE[1:])

    def february_begun(state):
        return _chosen(state, keep=IN_FEBRUARY)

    def begun_a_second_early(state):
        return _chosen(state, keep=IN_FEBRUARY[1:])

    def first_moment_lost(state):
        return _chosen(state, ("CT head at the first moment of March",))

    def wall_clock(state):
        return _chosen(state, LATE, IN_FEBRUARY)

    def wall_clock_of_winter(state):
        return _chosen(state, LATE[1:], IN_FEBRUARY)

    def wall_clock_at_the_end(state):
        return _chosen(state, LATE)

    def without_time_lost(state):
        return _chosen(state, ("CT head without a time",))

    def nothing(state):
        return []

    wrong_ways = {
        all_in_one_slot: "CT, MR and HEAD stand in *one* slot, so each alone is enough: a CT of the chest, an ultrasound of the head. "
        "Values in one slot are alternatives; what must hold as well is a slot of its own (3.18.4.1.2.3.5).",
        all_at_once: "Each code has a slot of its own, so all of them must hold: only what is CT *and* MR is found. CT or MR are "
        "alternatives and belong in one slot.",
        head_forgotten: "CTs and MRs of the chest are among them. The region of the body stands in the same list, eventCodeList, as one "
        "more condition.",
        modality_forgotten: "Whatever shows the head is among them, ultrasound too. The modality stands in eventCodeList as well.",
        ct_alone: "MR is missing. A slot may have several values: [CT, MR] in one list.",
        mr_alone: "CT is missing. A slot may have several values: [CT, MR] in one list.",
        replaced_too: "Something is among them that was replaced. An entry that has a newer version is Deprecated; which statuses are "
        "wanted, the query has to say.",
        reports_too: "Reports are among them. classCode tells images from reports.",
        any_scheme: "Codes of another scheme are among them. A code means something only together with its scheme, and the registry "
        "compares both: `'code^^scheme'` (3.18.4.1.2.3.4).",
        any_time: "Images of other months are among them. The time has two parameters of its own, From and To.",
        no_end: "Images of April are among them: `$XDSDocumentEntryServiceStartTimeTo` is missing, or too late.",
        no_beginning: "Images of February are among them: `$XDSDocumentEntryServiceStartTimeFrom` is missing, or too early. A short time "
        "stands for its beginning: 202502 is the first moment of February.",
        end_included: "What began in the first moment of April is among them. From is included, To is not: from <= time < to "
        "(3.18.4.1.2.3.3).",
        last_day_lost: "The last day of March is missing. `To` is not included, and a date counts from its midnight.",
        last_moments_lost: "What began in the last seconds of March is missing. `To` is not included, so it is not the last moment that "
        "belongs to the month, but the first that does not.",
        february_begun: "What began in the last hour of February is among them: From is too early. The month begins with its first day at "
        "midnight, UTC.",
        begun_a_second_early: "What began in the last second of February is among them. From is included: it is the first moment that "
        "belongs to the month, not the last that does not.",
        first_moment_lost: "What began in the first moment of March is missing. From is included, and the month begins with its first day "
        "at midnight.",
        wall_clock: LOCAL,
        wall_clock_of_winter: f"{LOCAL} (And at the end of March the difference is another than in February.)",
        wall_clock_at_the_end: "What began late in the evening of 31 March, UTC, is missing: at the wall clock it was April by then. The "
        "registry's times are UTC.",
        without_time_lost: "Something that has no serviceStartTime is missing. The registry does not leave it out (3.18.4.1.2.3.3.1), and "
        "the unit wants it, too: nobody knows that it lies outside. Do you drop it after the query?",
        nothing: "Your function returns nothing for any patient. If it has asked, the registries did know the patient IDs. Leave out "
        "one condition after the other, in the registry above, and see with which of them documents come back. And does the function "
        "return what was found?",
    }
    hints = [
        "The patient ID is an f-string: `f\"{number}^^^&{authority}&ISO\"`. Compare it with that of the query above.",
        "eventCodeList holds modality and region of the body. Alternatives stand in one list; a list of lists makes a slot of each.",
        "The month: From is its first moment, which is included; To is the first moment that does not belong to it any more.",
        "`found.entries` is a list of entries, `entry[\"uniqueId\"]` what is asked. (entryUUID is another thing: the registry's own name "
        "of the *entry*.)",
    ]
    praise = ("Six conditions, all of them in the query: nothing that the unit is not meant to see leaves the registry. Had your function "
              "sorted it out after the query, it would have left the registry all the same.")


# --- 8

class _Socket:
    """The place in a registry into which a learner's matching is put: `fits`."""

    fits = None

    def __repr__(self):
        return "registry"


# What is in the registry into which a learner's matching is built: {entry: {attribute: what it has there}}.
SHELF = {
    "M1": {"EventCodeList": ("CT", "HEAD"), "ServiceStartTime": "20250310101500", "ServiceStopTime": "20250310104500"},
    "M2": {"EventCodeList": ("MR", "HEAD"), "ServiceStartTime": "20250320101500", "ConfidentialityCode": ("R", "PSY")},
    "M3": {"EventCodeList": ("CT", "CHEST"), "ServiceStartTime": "20250315000000", "ServiceStopTime": "20250315001000"},
    "M4": {"ServiceStartTime": "20250401000000", "ConfidentialityCode": ("PSY",)},
    "M5": {"EventCodeList": ("CTA", "HEADLINE"), "ClassCode": "REPORT", "TypeCode": "18748-4X"},
    "M6": {"EventCodeList": ("CT", "MR", "HEAD"), "ServiceStartTime": "20250331235959", "ConfidentialityCode": ("R",)},
    "M7": {"EventCodeList": ("HEAD",), "ClassCode": "REPORT", "ServiceStartTime": "20250228235959", "FormatCode": "urn:2.999:other"},
    # Codes that begin or look like those that are asked for, of another scheme, or in small letters, which are other codes.
    "M8": {"EventCodeList": ("CT^^2.999.1.9.155", "XHEAD"), "ClassCode": "IMAGES^^2.999.1.9.99", "ServiceStartTime": "20250305120000",
           "CreationTime": "20250407060001"},
    "M9": {"EventCodeList": ("ct", "head"), "ClassCode": "images", "ServiceStartTime": "20250306120000"},
    # Two codes for the slot of the modality, and none for that of the region.
    "MA": {"EventCodeList": ("CT", "MR"), "ServiceStartTime": "20250318101500"},
    # Replaced by M7.
    "M0": {"EventCodeList": ("CT", "HEAD"), "ServiceStartTime": "20250312120000", "Status": DEPRECATED},
}
ELSE = {"ClassCode": "IMAGES", "TypeCode": exchange.REPORT_TYPE[0], "ConfidentialityCode": ("N",), "FormatCode": exchange.KOS[0],
        "EventCodeList": (), "Status": APPROVED, "CreationTime": "20250407060000"}       # what the others have there
TRIED = {       # what consumers ask: {parameter: what they give}
    "One class": {"ClassCode": "IMAGES"},
    "One of two classes": {"ClassCode": ["FOLIO", "REPORT"]},
    "CT among the events": {"EventCodeList": "CT"},
    "CT or MR, in one slot": {"EventCodeList": ["CT", "MR"]},
    "Four codes in one slot, XRAY, US, MR or CT": {"EventCodeList": ["XRAY", "US", "MR", "CT"]},
    "CT in one slot and HEAD in another": {"EventCodeList": [["CT"], ["HEAD"]]},
    "HEAD in one slot, CT or MR in another": {"EventCodeList": [["HEAD"], ["CT", "MR"]]},
    "CT and MR and HEAD, three slots": {"EventCodeList": [["CT"], ["MR"], ["HEAD"]]},
    "From 15 March": {"ServiceStartTimeFrom": "20250315000000"},
    "To 1 April": {"ServiceStartTimeTo": "20250401000000"},
    "From 10 March, 10:15:30": {"ServiceStartTimeFrom": "20250310101530"},
    "To 10 March, 10:15:30": {"ServiceStartTimeTo": "20250310101530"},
    "Ended before 10 March, 10:45": {"ServiceStopTimeTo": "20250310104500"},
    "Ended from 15 March on, made before 7 April, 06:00:01": {"ServiceStopTimeFrom": "20250315000000", "CreationTimeTo": "20250407060001"},
    "CT of the scheme 2.999.1.9.155": {"EventCodeList": "CT^^2.999.1.9.155"},
    "Confidentiality R in one slot and PSY in another": {"ConfidentialityCode": [["R"], ["PSY"]]},
    "One type and one format": {"TypeCode": exchange.REPORT_TYPE[0], "FormatCode": exchange.KOS[0]},
    "What was replaced, Deprecated": {"Status": DEPRECATED},
}
SCHEMES = {"ClassCode": exchange.CLASSES, "EventCodeList": "2.999.1.9.15", "ConfidentialityCode": exchange.NORMAL[1],
           "TypeCode": exchange.REPORT_TYPE[1], "FormatCode": exchange.KOS[1]}


def _coded(name, value):
    """What a consumer gives for a parameter, its codes with their scheme."""
    if isinstance(value, list):
        return [_coded(name, one) for one in value]
    return _code(name, value) if name in SCHEMES else value


def _code(name, text):
    """A Code of SHELF or TRIED, which names its scheme only where it is another than that of the attribute."""
    code, _, scheme = text.partition("^^")
    return Code(code, scheme or SCHEMES[name])


def _having(name, entry):
    """What an entry of SHELF has in the attribute of a parameter, as a registry hands it on: a list of texts."""
    name = name.removesuffix("From").removesuffix("To")
    has = SHELF[entry].get(name, ELSE.get(name))
    listed = [] if has is None else [has] if isinstance(has, str) else has
    if name not in SCHEMES:
        return list(listed)
    codes = [_code(name, one) for one in listed]
    return [f"{one.code}^^{one.scheme}" for one in codes]


def _slots(name, value):
    """What a consumer gives for a parameter, as a registry hands it on: a list of lists of texts."""
    coded = _coded(name, value)
    slots = coded if isinstance(coded, list) and isinstance(coded[0], list) else [coded if isinstance(coded, list) else [coded]]
    return [[f"{one.code}^^{one.scheme}" if isinstance(one, Code) else one for one in slot] for slot in slots]


def _compared(asked, titles):
    """What a consumer found, in words: entries too many and too few, each with what it has there."""
    asked = {"Status": APPROVED, **asked}
    right = [entry for entry in SHELF
             if all(_fitted(f"$XDSDocumentEntry{name}", _having(name, entry), _slots(name, value)) for name, value in asked.items())]

    def has(name, entry):
        if name == "Status":
            return "Deprecated" if _having(name, entry) == [DEPRECATED] else ""
        return " ".join(_having(name, entry)) or "nothing there"

    def told(entries):
        shown = [f"the entry {one} ({' and '.join(filter(None, (has(name, one) for name in asked))) or 'Approved'})" for one in entries]
        return f"{', '.join(shown[:3])}{f' and {len(shown) - 3} more' if len(shown) > 3 else ''}"

    extra = [one for one in SHELF if one in titles and one not in right]
    missing = [one for one in SHELF if one not in titles and one in right]
    said = ([f"it should not have found {told(extra)}"] if extra else []) + ([f"it did not find {told(missing)}"] if missing else [])
    return ", and ".join(said) if titles or not missing else f"found nothing; {said[0]}"


def _fitted(name, having, slots, within=any, over=all, absent=True, absent_code=None, bound=None, equal=None):
    """Whether an entry fits, with one idea changed."""
    if name.endswith(("From", "To")):
        if not having:
            return absent
        if bound:
            return bound(name, having[0], slots[0][0])
        return having[0] >= slots[0][0] if name.endswith("From") else having[0] < slots[0][0]
    if not having and absent_code is not None:
        return absent_code
    return over(within((equal or (lambda value, having: value in having))(value, having) for value in values) for values in slots)


def _with(**changed):
    """A `set_up` whose function has one idea changed."""
    def set_up(registry):
        registry.fits = lambda name, having, slots: _fitted(name, having, slots, **changed)
    return set_up


@lesson.exercise
class OwnMatching:
    """Northmere's registry has lost its matching in an upgrade; yours takes its place. Write the function `set_up(registry)`: it defines
    a function `fits(name, having, slots)` and gives it to the registry, `registry.fits = fits`.

    The registry calls `fits` for each entry and each parameter of a query but the patient ID:

    - `name` is the parameter's name, such as `"$XDSDocumentEntryClassCode"`;
    - `having` is a list of what the *entry* has there, texts; empty if it has nothing;
    - `slots` is what the *consumer* gave: a list of slots, each a list of texts.

    It returns True if the entry fits. Each slot must be fulfilled, and one of its values is enough; codes are texts `code^^scheme`, and
    equal only as a whole. Parameters whose name ends in `From` or `To` have one slot with one time: `From` is included, `To` is not, and
    an entry without the time fits. All times have 14 digits here. Status, type, confidentiality, any time: whatever a parameter is
    called, these rules are all. (`$XDSDocumentEntryAuthorPerson`, which ITI-18 matches as SQL's
    LIKE does, with `%` and `_`, is left out: nobody will ask for it.)

    Consumers will then query the registry over SOAP.
    """

    answer = Server("set_up", called="registry", returned=False, kept=False)
    points = 3

    def solution(registry):
        def fits(name, having, slots):
            if name.endswith("From") or name.endswith("To"):
                if len(having) == 0:
                    return True
                if name.endswith("From"):
                    return having[0] >= slots[0][0]
                return having[0] < slots[0][0]
            for slot in slots:
                met = False
                for value in slot:
                    if value in having:
                        met = True
                if not met:
                    return False
            return True

        registry.fits = fits

    def cases(draw):
        return [(draw.sample(range(len(SHELF)), len(SHELF)), f"NM{draw.randrange(1_000_000, 9_999_999)}")]

    @contextlib.contextmanager
    def stage(order, number):
        with Registry() as registry:
            cx = f"{number}^^^&{NMH}&ISO"
            registry.know(cx)
            entries = []
            for place in order:
                name = list(SHELF)[place]
                has = {**ELSE, **SHELF[name]}
                coded = {one: tuple(_code(one, code) for code in has[one]) or None for one in ("EventCodeList", "ConfidentialityCode")}
                entries.append(_kept(place, cx, f"2.999.120.8.{place}", title=name, eventCodeList=coded["EventCodeList"],
                                     confidentialityCode=coded["ConfidentialityCode"], classCode=_code("ClassCode", has["ClassCode"]),
                                     typeCode=_code("TypeCode", has["TypeCode"]), formatCode=_code("FormatCode", has["FormatCode"]),
                                     creationTime=has["CreationTime"], serviceStartTime=has.get("ServiceStartTime"),
                                     serviceStopTime=has.get("ServiceStopTime")).copy())
            # M7 comes later, and replaces M0.
            newer = next(one for one in entries if one["title"] == "M7")
            old = next(one for one in entries if one["title"] == "M0")
            _must(registry.submit(_submission("1", [one for one in entries if one is not newer])))
            found = registry.query("GetDocuments", {"$XDSDocumentEntryUniqueId": [[old["uniqueId"]]]})
            _must(registry.submit(_submission("2", [newer], [association(facts.RPLC, newer.id, found[0].id)])))
            socket = _Socket()
            yield (socket,), (registry, socket, cx)

    def visit(server, bench):
        registry, socket, cx = bench
        if not callable(socket.fits):
            return dict.fromkeys(TRIED, "`registry.fits` was not set to a function")
        stopped = _first_stop(socket.fits)
        if stopped:
            return dict.fromkeys(TRIED, stopped)
        registry.fits = socket.fits
        seen = {}
        for what, asked in TRIED.items():
            parameters = {"$XDSDocumentEntryPatientId": cx}
            parameters |= {f"$XDSDocumentEntry{name}": _coded(name, value) for name, value in {"Status": [APPROVED], **asked}.items()}
            try:
                found = query(registry.url, "FindDocuments", parameters)
                seen[what] = _compared(asked, [one["title"] for one in found.entries]) or "found as it should be"
            except soap.Fault as fault:
                seen[what] = f"a SOAP fault, {fault.reason}"
        return seen

    def any_slot(registry):
        _with(over=any)(registry)

    def all_values(registry):
        _with(within=all)(registry)

    def first_value(registry):
        registry.fits = lambda name, having, slots: _fitted(name, having, [slot[:1] for slot in slots])

    def first_slot(registry):
        registry.fits = lambda name, having, slots: _fitted(name, having, slots[:1])

    def last_slot(registry):
        registry.fits = lambda name, having, slots: _fitted(name, having, slots[-1:])

    def status_let_through(registry):
        registry.fits = lambda name, having, slots: name.endswith("Status") or _fitted(name, having, slots)

    def nothing_fits_everything(registry):
        _with(absent_code=True)(registry)

    def without_time_left_out(registry):
        _with(absent=False)(registry)

    def to_included(registry):
        _with(bound=lambda name, time, bound: time >= bound if name.endswith("From") else time <= bound)(registry)

    def from_left_out(registry):
        _with(bound=lambda name, time, bound: time > bound if name.endswith("From") else time < bound)(registry)

    def times_turned(registry):
        _with(bound=lambda name, time, bound: time <= bound if name.endswith("From") else time > bound)(registry)

    def times_as_values(registry):
        _with(bound=lambda name, time, bound: time == bound, absent=False)(registry)

    def times_exchanged(registry):
        _with(bound=lambda name, time, bound: time < bound if name.endswith("From") else time >= bound)(registry)

    def nothing_at_all(registry):
        registry.fits = lambda name, having, slots: False

    def scheme_ignored(registry):
        _with(equal=lambda value, having: value.split("^^")[0] in [one.split("^^")[0] for one in having])(registry)

    def case_ignored(registry):
        _with(equal=lambda value, having: value.lower() in [one.lower() for one in having])(registry)

    def beginning_of_a_text(registry):
        _with(equal=lambda value, having: value in "|".join(having))(registry)

    def part_of_a_text(registry):
        _with(equal=lambda value, having: any(value.split("^^")[0] in one for one in having))(registry)

    def whole_list(registry):
        _with(equal=lambda value, having: having == [value])(registry)

    def first_of_the_entry(registry):
        _with(equal=lambda value, having: having[:1] == [value])(registry)

    def everything(registry):
        registry.fits = lambda name, having, slots: True

    wrong_ways = {
        any_slot: "One slot that is fulfilled is enough for your function. A slot that comes again is one condition *more*: all must "
        "hold (3.18.4.1.2.3.5).",
        all_values: "All values of a slot have to be there, in yours. Values of one slot are alternatives: one is enough (3.18.4.1.2.3.5).",
        first_value: "You look at the first value of a slot only. Each of its values may fulfil it.",
        first_slot: "You look at the first slot only. Every one has to be fulfilled.",
        last_slot: "You look at the last slot only. Is what was found out about one slot forgotten with the next? A slot of which no value "
        "is there decides at once: return False, inside the loop over the slots.",
        status_let_through: "The status is let through. It is a parameter like any other: a consumer who asks for Approved does not want "
        "what was replaced.",
        nothing_fits_everything: "An entry that has nothing there fits any code in yours. That exception is for times alone; who asks "
        "for CT does not want what nobody has coded.",
        without_time_left_out: "An entry without a time is left out for it. It has to stay (3.18.4.1.2.3.3.1): nobody knows that it lies "
        "outside.",
        to_included: "`To` is included in yours. What begins exactly then belongs to the next interval, or it would be found twice.",
        from_left_out: "What begins exactly at `From` is left out in yours.",
        times_turned: "From and To are turned round: yours finds what is earlier than From, or later than To.",
        times_as_values: "You compare times like codes: only the very same moment fits. From and To are bounds.",
        times_exchanged: "You take From for To, and To for From: yours finds what is earlier than From, or not earlier than To.",
        nothing_at_all: "It finds nothing, whatever is asked. Does `fits` end with `return True`, behind the loop? A function without a "
        "`return` gives None, which counts as False. (The status, which every query names, goes through it too.)",
        scheme_ignored: "You compare codes without their scheme. `code^^scheme` is one text, and the same code in another scheme means "
        "something else (3.18.4.1.2.3.4).",
        case_ignored: "Upper and lower case are the same to you. A code is compared as it stands; CT and ct of one scheme would be two.",
        beginning_of_a_text: "You look for the value as a *part* of a text. A scheme that goes on with one digit more is another scheme: a "
        "value has to be one of the list's, as a whole.",
        part_of_a_text: "You ask whether a value stands *somewhere* in what the entry has: CT is in CTA, HEAD in HEADLINE. Codes are "
        "compared whole, with their scheme. (Patterns, % and _, are for authorPerson and referenceIdList.)",
        whole_list: "You compare the entry's whole list with a value. An entry with CT *and* HEAD does have CT.",
        first_of_the_entry: "You look at the first code of the entry only. Which one comes first means nothing.",
        everything: "Your function lets everything through, whatever is asked. The portal would show a patient's whole life to whoever "
        "asks for one CT.",
    }
    hints = [
        "Inside `set_up` stands `def fits(name, having, slots):`, and behind it, as the last line of `set_up`, `registry.fits = fits`.",
        "First the times: `name.endswith(\"From\")`, `name.endswith(\"To\")`. There `slots[0][0]` is the bound; texts of 14 digits may "
        "be compared with <.",
        "Then codes: a loop over the slots; in it, a loop over the slot's values: is one of them in `having`? A slot of which none is: "
        "return False.",
        "Behind the loop, when no slot was left unfulfilled: return True.",
    ]
    praise = "Portals that nobody here wrote would find the same with your registry as with the old one: AND over slots, OR within."


def _first_stop(fits):
    """What a learner's matching stops with when it is called as the registry will call it, in words; None when it does not.

    Called here, in a thread that can be ended, so that the registry's own is never caught in a loop without end.
    """
    said = []
    for asked in TRIED.values():
        for name, value in {"Status": APPROVED, **asked}.items():
            for entry in SHELF:
                try:
                    said.append(fits(f"$XDSDocumentEntry{name}", _having(name, entry), _slots(name, value)))
                except Exception as problem:
                    return f"your function stopped with {type(problem).__name__}: {problem}"
    if all(one is None for one in said):
        return "your function `fits` returned None each time that it was called: a `return` is missing"
    return None


# --- 9

@dataclass
class Domain:
    """A domain that is in trouble, as the learner's function gets it.

    registry, repository : where they listen, URLs
    feed_port            : the registry's port for the identity feed, on this machine
    merges               : list of (surviving, retired): the merges of the region's index, CX
    outbox               : list of (Entry, bytes): what the VNA has sent in these days, as it was sent
    region               : {the hospital's number: the region's}, CX, as the region's index has them now
    """

    registry: str
    repository: str
    feed_port: int
    merges: list = field(default_factory=list)
    outbox: list = field(default_factory=list)
    region: dict = field(default_factory=dict)

    def __repr__(self):
        return f"<domain with {len(self.outbox)} submissions in the outbox and {len(self.merges)} merges>"


def a40(surviving, retired):
    """A merge of the region's numbers as the registry hears it (ITI-8): a text. Both are CX."""
    return _lines("MSH|^~\\&|NMH_INDEX|NMH|NMH_REGISTRY|NMH|20250407080000||ADT^A40^ADT_A39|M1|P|2.3.1", "EVN|A40|20250407080000",
                  f"PID|||{surviving}||UNKNOWN", f"MRG|{retired}")


def approved(registry, patient):
    """uniqueIds of the Approved documents of a patient (CX): a list."""
    asked = {"$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": [APPROVED]}
    found = query(registry, "FindDocuments", asked, sender="HV_VNA")
    return [entry["uniqueId"] for entry in found.entries]


def publish(repository, entry, octets):
    """Provide a document with its entry, in a submission set of its own (ITI-41). Returns the Answer."""
    own = entry.copy(entryUUID="Document01")
    return document_sharing.provide(repository, _submission(uuid.uuid4().int, [own]), {"Document01": octets}, sender="HV_VNA")


def utc(time):
    """A time with an offset, such as 20250401094732+0200, in UTC as XDS writes it; one without stays as it is."""
    if "+" not in time:
        return time
    return datetime.strptime(time, f"{TIME}%z").astimezone(UTC).strftime(TIME)


@lru_cache(maxsize=64)
def _manifest(uid, study, version=1, images=2):
    """A small manifest (KOS) as bytes."""
    from pydicom.dataset import FileDataset, FileMetaDataset

    from coursekit.standards.key_objects import KO_STORAGE, MANIFEST, device, fill

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID = KO_STORAGE, uid, "1.2.840.10008.1.2.1"
    made = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128, is_implicit_VR=False)
    made.SOPClassUID, made.SOPInstanceUID, made.StudyInstanceUID, made.SeriesInstanceUID = KO_STORAGE, uid, study, f"{uid}.0"
    made.SeriesNumber, made.SeriesDescription = 900, f"XDS-I manifest, version {version}"
    fill(made, MANIFEST, device("HV_VNA", "2.999.1.1.71"), None, study,
         {f"{study}.1": [("1.2.840.10008.5.1.4.1.1.2", f"{study}.1.{number}") for number in range(1, images + version)]},
         RetrieveAETitle="HV_VNA", RetrieveLocationUID="2.999.1.1.71")
    stream = BytesIO()
    made.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


TROUBLES = {    # what is wrong with a study, and what a consumer is told of it
    "fine": "the study that nothing was wrong with",
    "merged": "the study under a retired number",
    "local": "the study sent with the hospital's own number",
    "hash": "the study with the hash of an older version",
    "zone": "the study with a time of the wall clock",
    "winter": "the study with a time of the wall clock from before the clocks changed",
    "replaced": "the study that was replaced by another one by mistake",
    "moved": "the study under another retired number",
    "several": "the study with the hospital's own number, an old hash and a time of the wall clock",
}
OF_THE_CHECK = {**TROUBLES, "third": "the study under a third retired number"}     # one study and one merge more than the notebook has
TITLES = ("CT FACIAL BONES", "CT THORACIC SPINE", "CT HEAD", "CT CHEST", "CT SINUSES", "CT LUMBAR SPINE",
          "CT ABDOMEN PELVIS", "CT PULMONARY ANGIO", "CT NECK", "CT ORBITS")
UNSENT = ("local", "hash", "zone", "winter", "several")           # those that were refused
NAMES = {name: f"{text[0].upper()}{text[1:]}" for name, text in OF_THE_CHECK.items()}


def _wall(time, hours):
    """A time in UTC as a wall clock shows it, with its offset."""
    return f"{datetime.strptime(time, TIME) + timedelta(hours=hours):{TIME}}+{hours:02}00"


def _outbox(draw, troubles):
    """(what the VNA sent as {trouble: (Entry, bytes)}, merges, region) of a domain in trouble."""
    def cx(prefix, oid):
        return f"{prefix}{draw.randrange(100_000, 999_999)}^^^&{oid}&ISO"

    sent, region = {}, {}
    troubles = draw.sample(list(troubles), len(troubles))
    titles = draw.sample(TITLES, len(troubles))
    # Behind the last one a loop may stop too early, and nobody would notice if there were nothing to do.
    if troubles[-1] not in UNSENT:
        place = next(place for place, trouble in enumerate(troubles) if trouble in UNSENT)
        troubles[place], troubles[-1] = troubles[-1], troubles[place]
    for number, (trouble, title) in enumerate(zip(troubles, titles, strict=True), 1):
        local, master = cx("HV", HVGH), cx("NM4", NMH)
        region[local] = master
        uid = f"2.999.120.1.{draw.randrange(10_000, 99_999)}{number}.1"
        octets = _manifest(uid, f"2.999.2.{uid.split('.')[4]}", images=number + 1)
        # Two are from after midnight of the wall clock, before it in UTC. Both sides of the change of the clocks are there on 30 March.
        day, hour = {"winter": ("20250329", 23), "zone": ("20250331", 22), "several": ("20250330", 9)}.get(trouble, ("20250401", 7))
        minute = f"{draw.randrange(10, 59)}"
        entry = _kept(1, master, uid, sourcePatientId=local, hash=hashlib.sha1(octets).hexdigest(), size=str(len(octets)), title=title,
                      creationTime=f"{day}{hour:02}{minute}32", serviceStartTime=f"{day}{hour - 1:02}{minute}00", eventCodeList=(CT,),
                      repositoryUniqueId=None, confidentialityCode=(RESTRICTED if trouble == "local" else Code(*exchange.NORMAL),))
        entry = entry.copy()
        sent[trouble] = entry, octets
    retired = {name: cx("NM3", NMH) for name in ("merged", "moved", "third") if name in sent}
    merges = [(sent[name][0]["patientId"], number) for name, number in retired.items()]
    wrong = {**{name: {"patientId": number} for name, number in retired.items()},
             **{name: {"patientId": sent[name][0]["sourcePatientId"]} for name in ("local", "several")}}
    for name, hours in (("zone", 2), ("winter", 1), ("several", 2)):
        wrong[name] = wrong.get(name, {}) | {"creationTime": _wall(sent[name][0]["creationTime"], hours)}
    for name in ("hash", "several"):
        entry, _ = sent[name]
        older = _manifest(entry["uniqueId"], "2.999.2.1", version=2, images=troubles.index(name) + 2)       # one image more
        wrong[name] = wrong.get(name, {}) | {"hash": hashlib.sha1(older).hexdigest(), "size": str(len(older))}
    return {name: (entry.copy(**wrong.get(name, {})), octets) for name, (entry, octets) in sent.items()}, merges, region


def _play(registry, repository, sent, merges, region):
    """What happened in the domain before anybody called: the answers to what was sent, in its order."""
    registry.know(*region.values(), *(retired for _, retired in merges))
    answers = [publish(repository.url, *pair) for pair in sent.values()]
    replaced, octets = sent["replaced"]
    old = registry.query("GetDocuments", {"$XDSDocumentEntryUniqueId": [[replaced["uniqueId"]]]})[0]
    uid = f"{replaced['uniqueId']}.7"
    another = _manifest(uid, "2.999.2.7")
    newer = _kept(1, replaced["patientId"], uid, sourcePatientId=replaced["sourcePatientId"], title="another study",
                  repositoryUniqueId=None, hash=hashlib.sha1(another).hexdigest(), size=str(len(another))).copy()
    replacing = _submission("7", [newer], [association(facts.RPLC, newer.id, old.id)])
    document_sharing.provide(repository.url, replacing, {newer.id: another}, sender="HV_VNA")
    return answers


class _Noting(Repository):
    """A repository that notes what it was given: `heard`, a list of (Entry, bytes or None, its problems)."""

    heard = ()

    def provide(self, entries, documents, assertion=None):
        """As every repository."""
        problems = super().provide(entries, documents, assertion)
        self.heard = [*self.heard, *((one.copy(), documents.get(one.id), problems) for one in entries if one.kind == DOCUMENT)]
        return problems


@contextlib.contextmanager
def troubled(draw, troubles=TROUBLES):
    """A domain in trouble that runs, a study for each trouble: gives (Domain, what was sent, the answers of the time, the repository)."""
    with Registry() as registry, _Noting(registry=registry.url) as repository:
        sent, merges, region = _outbox(draw, troubles)
        answers = _play(registry, repository, sent, merges, region)
        repository.heard = []
        outbox = [(entry.copy(), octets) for entry, octets in sent.values()]
        yield Domain(registry.url, repository.url, registry.hl7_port, merges, outbox, dict(region)), sent, answers, repository


def _repaired(domain, merge=True, turned=False, late=False, found=approved, patient=True, source=False, measured=("hash", "size"),
              times=utc, renewed=False, both_times=False, more=None, only=lambda entry, patient: True):
    """The repair with one idea changed."""
    def tell():
        for surviving, retired in domain.merges:
            mllp.send(HOST, domain.feed_port, a40(retired, surviving) if turned else a40(surviving, retired))

    if merge and not late:
        tell()
    for number, (entry, octets) in enumerate(domain.outbox):
        whose = domain.region[entry["sourcePatientId"]]
        if entry["uniqueId"] in found(domain.registry, whose) or not only(entry, whose):
            continue
        changed = {"patientId": whose} if patient else {}
        if source:
            changed["sourcePatientId"] = whose
        found_out = {"hash": hashlib.sha1(octets).hexdigest(), "size": str(len(octets))}
        changed |= {name: found_out[name] for name in measured}
        if renewed:
            changed["uniqueId"] = f"{entry['uniqueId']}.{number}"
        if both_times:
            changed["serviceStartTime"] = times(entry["creationTime"])
        changed |= more or {}
        publish(domain.repository, entry.copy(**changed, creationTime=times(entry["creationTime"])), octets)
    if merge and late:
        tell()


@lesson.exercise
class Repair:
    """Write the function `repair(domain)`: afterwards a consumer finds every study of the outbox again, **exactly once**, under the
    region's present number of the patient, with its true creationTime, and can fetch it. **Everything else in the entry stays as it was
    sent**: class, codes, title, serviceStartTime, which is UTC already.

    `domain` has what you used above by hand: `registry` and `repository` (URLs), `feed_port`, `merges`, `outbox`, `region`. `a40`,
    `approved`, `publish`, `utc`, `mllp`, `HOST` and `hashlib` are those of the cells above.

    The domains of the check have the same troubles with other studies, more of them and in another order, and more merges; one study may
    have several troubles at once. The bytes are right there, too, and the entry that was deprecated by mistake stays so: the study is
    published anew. A study that consumers find already must not be sent again. sourcePatientId and uniqueId stay as they are: what was
    true when the study was made stays true, and others refer to it. (A number that was mistyped, as Anna's, never was true: whoever knows
    whose study it is has to correct it first. The domains of the check have none.)
    """

    answer = Server("repair", called="domain", returned=False, kept=False)
    points = 4

    def solution(domain):
        for surviving, retired in domain.merges:
            mllp.send(HOST, domain.feed_port, a40(surviving, retired))
        for entry, octets in domain.outbox:
            patient = domain.region[entry["sourcePatientId"]]
            if entry["uniqueId"] in approved(domain.registry, patient):
                continue
            mended = entry.copy(
                patientId=patient,
                hash=hashlib.sha1(octets).hexdigest(),
                size=str(len(octets)),
                creationTime=utc(entry["creationTime"]),
            )
            publish(domain.repository, mended, octets)

    def cases(draw):
        return [(draw.randrange(10**9),)]

    @contextlib.contextmanager
    def stage(seed):
        with troubled(random.Random(seed), OF_THE_CHECK) as (domain, sent, _, repository):
            yield (domain,), (copy.deepcopy(domain), sent, repository)

    def visit(server, bench):
        domain, sent, repository = bench
        seen, heard = {}, repository.heard
        unchanged = bool(heard) and all(_as_sent(one, sent) for one, _, _ in heard)
        uids = [entry["uniqueId"] for entry, _ in sent.values()]
        fetched = retrieve(domain.repository, [(REPOSITORY, uid) for uid in uids], sender="ECC_PORTAL").documents
        kept = {document.unique_id: document.octets for document in fetched}
        for trouble, what in NAMES.items():
            entry, octets = sent[trouble]
            again = [one for one in heard if one[0]["uniqueId"] == entry["uniqueId"]]
            seen[what] = _as_found(domain, entry, kept.get(entry["uniqueId"]) == octets, again, unchanged)
        left = [bool(approved(domain.registry, retired)) for _, retired in domain.merges]
        seen["Under the retired numbers"] = ("studies, under each of them" if all(left) else "studies, under some of them" if any(left)
                                             else "nothing, as it has to be")
        return seen

    def merge_not_told(domain):
        _repaired(domain, merge=False)

    def merge_turned(domain):
        _repaired(domain, turned=True)

    def first_merge_alone(domain):
        rest, domain.merges = domain.merges, domain.merges[:1]
        _repaired(domain)
        domain.merges = rest

    def merge_told_last(domain):
        _repaired(domain, late=True)

    def merges_alone(domain):
        _repaired(domain, only=lambda entry, patient: False)

    def everything_again(domain):
        _repaired(domain, found=lambda registry, patient: [])

    def deprecated_counts_as_there(domain):
        def any_status(registry, patient):
            asked = {"$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": [APPROVED, DEPRECATED]}
            found = query(registry, "FindDocuments", asked)
            return [entry["uniqueId"] for entry in found.entries]

        _repaired(domain, found=any_status)

    def number_not_mended(domain):
        _repaired(domain, patient=False)

    def source_overwritten(domain):
        _repaired(domain, source=True)

    def hash_not_mended(domain):
        _repaired(domain, measured=())

    def hash_alone_not_mended(domain):
        _repaired(domain, measured=("size",))

    def size_not_mended(domain):
        _repaired(domain, measured=("hash",))

    def sent_as_it_stood(domain):
        _repaired(domain, patient=False, measured=(), times=lambda time: time)

    def time_not_mended(domain):
        _repaired(domain, times=lambda time: time)

    def offset_cut_off(domain):
        _repaired(domain, times=lambda time: time[:14])

    def always_two_hours(domain):
        _repaired(domain, times=lambda time: utc(f"{time[:14]}+0200") if "+" in time else time)

    def new_names(domain):
        _repaired(domain, renewed=True)

    def begun_when_it_was_made(domain):
        _repaired(domain, both_times=True)

    wrong_ways = {
        merge_not_told: "The registry never heard of the merge. Sent again under the survivor, the study is there, and a second time "
        "under the retired number, where it always was: ITI-18 still answers for a number that nobody should use any more.",
        merge_turned: "The merge was told the wrong way round: the number that should have survived is retired now, and a merge can't be "
        "taken back (3.8.4.2.4). PID-3 survives, MRG-1 goes.",
        merge_told_last: "It was sent again, and with the merge the old entry came along: now there are two. Either the merge was told "
        "after that, or you asked what is there under the number that stands in the entry, which is retired. Identities first; then ask "
        "under the number of today, `domain.region[...]`.",
        first_merge_alone: "Not every merge was told. `domain.merges` is a list, and there may be more than one: a loop.",
        merges_alone: "The merges are told, and this study was not provided again. What a registry has refused it does not keep, not even "
        "to complain later; and a document comes by way of the repository (`publish`, ITI-41). "
        "(If you have a loop that does it: does a `return` end it where it should go on, `continue`?)",
        everything_again: "It was sent again, though consumers found it already. A registry takes a second entry for one document if hash "
        "and size are the same (3.42.4.1.3.3.1), so what was there before is there twice. Ask first.",
        deprecated_counts_as_there: "You took it for one that is there. Its own entry is Deprecated, and consumers ask for Approved; what "
        "is Approved under the number of this patient is another study. Ask whether *this* uniqueId is among the Approved ones.",
        number_not_mended: "The patient ID was sent as it stood in the outbox. Of the one that is the hospital's own number the registry "
        "says XDSUnknownPatientId again: it knows the region's numbers only.",
        source_overwritten: "You wrote the region's number into sourcePatientId as well. That is the number at the place where the "
        "document was made (TF-3 4.2.3.2), by which its images bear their patient; it is what the hospital goes by when it is asked.",
        sent_as_it_stood: "What was sent again is the entry as it stood in the outbox. `entry.copy(...)` changes nothing in the entry: it "
        "returns a new one, and that has to be published.",
        hash_alone_not_mended: "The hash was sent as it stood in the outbox. The repository measures what it gets and refuses what does "
        "not fit (XDSRepositoryMetadataError, 3.41.4.1.3).",
        size_not_mended: "The size was sent as it stood in the outbox. The repository measures what it gets and refuses what does not fit "
        "(XDSRepositoryMetadataError, 3.41.4.1.3).",
        always_two_hours: "Two hours were taken off where the offset says one. It stands behind the digits because it changes, and not "
        "with the date: on 30 March it was +0100 until 01:00 UTC, and +0200 from then on. Go by the offset.",
        hash_not_mended: "Hash and size were sent as they stood in the outbox. The repository measures what it gets and refuses what "
        "does not fit (XDSRepositoryMetadataError, 3.41.4.1.3).",
        time_not_mended: "The time was sent as it stood in the outbox, with its offset. Times in XDS are UTC, without a zone (TF-3 "
        "4.2.3.1.7).",
        offset_cut_off: "The offset was cut off and the digits were left: the registry takes it, and the document is an hour or two from "
        "the truth. An error that is refused is better than one that is accepted.",
        begun_when_it_was_made: "serviceStartTime became the creationTime. It says when the examination began, and creationTime when the "
        "document was made, an hour later: nothing was wrong with it. Leave out of `entry.copy(...)` what is true.",
        new_names: "The studies were published under new uniqueIds. Whoever holds a reference, in a report or a bookmark, finds nothing; "
        "and the manifest inside still has the old one as its SOP Instance UID.",
    }
    hints = [
        "First the merges, a loop over `domain.merges`, each sent to the registry as you did above.",
        "Then a loop over `domain.outbox`: `for entry, octets in domain.outbox`. The patient is "
        "`domain.region[entry[\"sourcePatientId\"]]`.",
        "What consumers find already, `approved(domain.registry, patient)`, is left alone: `continue`.",
        "What is left is published as a copy, `entry.copy(...)`, with the patient ID of the region, hash and size of the bytes as they "
        "are, and the time in UTC. For a study with nothing wrong this changes nothing, so you need not know what was wrong with which.",
    ]
    praise = ("Three causes lie behind *the study has disappeared*: it was refused and nobody read the answer, it lies under a number "
              "that nobody asks for, or somebody deprecated it. The registry's log and one query for all statuses tell them apart in "
              "minutes.")


def _as_sent(one, sent):
    """Whether an Entry that came again is what it was in the outbox, in all that may have to be mended."""
    before = next((entry for entry, _ in sent.values() if entry["uniqueId"] == one["uniqueId"]), None)
    return before is not None and all(_as_text(one.get(name)) == _as_text(before.get(name)) for name in MENDED)


def _sent_again(domain, entry, again, unchanged):
    """What of a study was sent to the repository again, in words.

    again     : a list of (Entry, bytes or None, problems)
    unchanged : whether all that was sent again, of whatever study, was as it stood in the outbox
    """
    if not again:
        return "nothing of it was sent to the repository"
    sent, octets, problems = again[-1]
    if not problems:
        retired = [number for _, number in domain.merges]
        return ("it was sent again and taken, under the retired number" if sent["patientId"] in retired
                else "it was sent again and taken, under another number")
    hashed, size = hashlib.sha1(octets or b"").hexdigest(), str(len(octets or b""))
    time = sent.get("creationTime", "")
    faults = [what for what, wrong in (
        ("patientId is not the region's present number", sent["patientId"] != domain.region[entry["sourcePatientId"]]),
        ("hash is not that of the bytes (SHA-1)", sent.get("hash", hashed).lower() != hashed),
        ("size is not that of the bytes", sent.get("size", size) != size),
        ("creationTime has an offset", "+" in time), ("creationTime is no time", "+" not in time and utc(entry["creationTime"]) != time))
        if wrong]
    why = f": {', '.join(faults)}" if faults else ""
    as_it_stood = " as it stood in the outbox, as was all the rest," if unchanged else ""
    return f"it was sent again{as_it_stood} and refused, {problems[0].code}{why}"


ADDED = ("entryUUID", "logicalID", "homeCommunityId", "availabilityStatus", "repositoryUniqueId")          # by repository and registry
MENDED = ("patientId", "hash", "size", "creationTime")


def _changed(one, entry):
    """The first attribute that a found entry has otherwise than it was sent, of those that nothing was wrong with; else None."""
    names = [attribute.name for attribute in facts.ATTRIBUTES[DOCUMENT] if attribute.name not in (*ADDED, *MENDED)]
    return next((name for name in names if _as_text(one.get(name)) != _as_text(entry.get(name))), None)


def _as_text(value):
    """A value of an attribute for comparing: a code by code and scheme, its display name does not count."""
    if isinstance(value, Code):
        return f"{value.code}^^{value.scheme}"
    return sorted(map(_as_text, value)) if isinstance(value, (tuple, list)) else str(value or "")


def _untrue(time, entry):
    """How a creationTime is not that of the entry, in words."""
    if time == entry["creationTime"][:14]:
        return "the digits of the wall clock"
    if not re.fullmatch(r"\d{14}", time):
        return f"{time}"
    away = (datetime.strptime(time, TIME) - datetime.strptime(utc(entry["creationTime"]), TIME)) / timedelta(hours=1)
    return f"{abs(away):g} hour{'s' * (abs(away) != 1)} too {'late' if away > 0 else 'early'}"


def _as_found(domain, entry, whole, again, unchanged):
    """What a consumer finds of a study, in words.

    whole            : whether what the repository has is what was published
    again, unchanged : what of it was sent to the repository since, as for `_sent_again`
    """
    asked = {"$XDSDocumentEntryPatientId": domain.region[entry["sourcePatientId"]], "$XDSDocumentEntryStatus": [APPROVED]}
    found = query(domain.registry, "FindDocuments", asked, sender="ECC_PORTAL").entries
    mine = [one for one in found if one["uniqueId"] == entry["uniqueId"]]
    if not mine:
        renamed = any(one["title"] == entry["title"] for one in found)
        if renamed:
            return "not found by its uniqueId; there is one of another name"
        return f"not found under the patient's present number; {_sent_again(domain, entry, again, unchanged)}"
    if len(mine) > 1:
        return f"found {len(mine)} times"
    (one,) = mine
    if one["sourcePatientId"] != entry["sourcePatientId"]:
        return "found, with another sourcePatientId than it was made with"
    if one["creationTime"] != utc(entry["creationTime"]):
        return f"found, with a time that is not true: {_untrue(one['creationTime'], entry)}"
    changed = _changed(one, entry)
    if changed:
        return f"found, with another {changed} than it was sent with"
    if not whole or one["repositoryUniqueId"] != REPOSITORY:
        return "found, but what is fetched is something else"
    return "found once, and fetched whole"


@lesson.input
def trouble(hospital):
    """A function that opens a domain in trouble, to be used with `with`: it gives the Domain and the answers of the time."""
    @contextlib.contextmanager
    def opened():
        with troubled(random.Random(f"trouble {hospital.seed}")) as (domain, _, answers, _):
            yield domain, answers
    return opened


score, table = Weigh.solution, TABLE       # as in the notebook, where exercise 5 uses what exercise 4 has made
