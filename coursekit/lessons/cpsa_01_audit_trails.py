"""Audit trails: the exercises of lesson cpsa-01."""

import base64
import contextlib
import ctypes
import functools
import itertools
import numbers
import random
import re
import socket
import socketserver
import sys
import textwrap
import threading
import time
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from coursekit.checking import Config, Fields, Function, Lesson, Message, Number, Server, Table, Text
from coursekit.checking.kinds.table import Rows
from coursekit.checking.verdict import Outcome, Verdict
from coursekit.errors import CourseError
from coursekit.hospital import clock, names
from coursekit.hospital.audit import local
from coursekit.hospital.clock import DAY, HOUR
from coursekit.standards import audit
from coursekit.systems.audit_repository import AuditSender

lesson = Lesson(
    "cpsa-01",
    title="Audit trails",
    version=1,
    minutes=180,
    objectives=[
        "read and check DICOM audit messages, and say of each who acted, and when by a right clock",
        "answer a patient who asks who looked at her images, with message numbers as evidence, and know where the trail has holes",
        "review a month by rules that accuse nobody falsely, write a right audit message, and run a repository that keeps whatever arrives",
    ],
    covers=["Review audit trails on a regular basis for any potential violations"],
    needs=["cpas-06", "cpas-07"],
)

DOMAIN = "@hvgh.example"
LOGIN, LOGOUT, OVERRIDE = "110122", "110123", "110127"
OPENED, SEARCHED, RECORD, EXPORTED, AUTHENTICATED, BEGUN, TRANSFERRED, LOG_USED = (
    "110103", "110112", "110110", "110106", "110114", "110102", "110104", "110101")


# --- the trail, as its messages say it

class Entry(NamedTuple):
    """What one message says.

    number   : its place in the repository, in the order of arrival, from 1
    utc      : the syslog header's time in UTC, 'YYYY-MM-DD HH:MM:SS'
    sequence : sequenceId of the header, or None
    type     : code of the event type, or None
    user     : UserID of the requestor without the hospital's domain; None when the message names none
    host     : its network access point
    patient, study : number and Study Instance UID among the participating objects
    search   : the keys of a query to which something was given, 'PatientName=K*', parted by '; '
    """

    number: int
    utc: str
    source: str
    sequence: int | None
    event: str
    type: str | None
    action: str
    outcome: str
    user: str | None
    host: str | None
    patient: str | None
    study: str | None
    search: str | None


_LINE = re.compile(r'<\d+>1 (\S+) \S+ (\S+) \S+ \S+ (?:-|\[meta sequenceId="(\d+)"\]) \ufeff?<AuditMessage><EventIdentification '
                   r'EventActionCode="(\w)" EventDateTime="[^"]*" EventOutcomeIndicator="(\d+)"><EventID (?:csd-)?code="(\d+)"[^>]*>'
                   r'(?:<EventTypeCode (?:csd-)?code="([^"]*)")?')
_KEYS = {(0x0008, 0x0020): "StudyDate", (0x0008, 0x0050): "AccessionNumber", (0x0010, 0x0010): "PatientName", (0x0010, 0x0020): "PatientID"}


def keys_of(octets):
    """The keys of a query to which something was given, as text; `octets` is its data set in Implicit VR Little Endian (PS3.5 A.1)."""
    found, place = [], 0
    while place + 8 <= len(octets):
        group, element, length = (int.from_bytes(octets[place + at:place + at + size], "little") for at, size in ((0, 2), (2, 2), (4, 4)))
        value = octets[place + 8:place + 8 + length]
        if (group, element) in _KEYS and value.strip():
            found.append(f"{_KEYS[group, element]}={value.decode('utf-8').strip()}")
        place += 8 + length
    return "; ".join(found) or None


def entries(lines):
    """The Entry of each syslog message of `lines`. What many messages share is read once."""
    @functools.cache
    def who(text):
        people = [one for one in ET.fromstring(f"<all>{text}</all>") if one.get("UserIsRequestor") == "true"]
        return (people[0].get("UserID").removesuffix(DOMAIN), people[0].get("NetworkAccessPointID")) if people else (None, None)

    @functools.cache
    def what(text):
        patient = study = search = None
        for one in ET.fromstring(f"<all>{text}</all>"):
            kind = one.find("ParticipantObjectIDTypeCode")
            code, identifier = kind.get("csd-code", kind.get("code")), one.get("ParticipantObjectID")
            if code == "2":
                patient = identifier
            elif code == "110180":
                study = identifier
            elif code == "12" and identifier.startswith("urn:oid:"):
                study = identifier.removeprefix("urn:oid:")
            elif code == "110181":
                search = keys_of(base64.b64decode(one.findtext("ParticipantObjectQuery", "")))
        return patient, study, search

    found = []
    for number, line in enumerate(lines, 1):
        stamp, source, sequence, action, outcome, event, kind = _LINE.match(line).groups()
        source_begins, objects_begin = line.index("<AuditSourceIdentification"), line.index("</AuditSourceIdentification>") + 28
        people_begin = line.find("<ActiveParticipant")
        people = line[people_begin:source_begins] if people_begin >= 0 else ""
        found.append(Entry(number, _utc(stamp), source, int(sequence) if sequence else None, event, kind, action, outcome,
                           *who(people), *what(line[objects_begin:-len("</AuditMessage>")])))
    return found


def _utc(stamp):
    """'2025-03-30 01:41:03' of a time with Z or an offset."""
    if stamp.endswith("Z"):
        return f"{stamp[:10]} {stamp[11:19]}"
    return f"{datetime.fromisoformat(stamp).astimezone(UTC):%Y-%m-%d %H:%M:%S}"


@lesson.input
def lines(hospital):
    """The syslog messages of thirty days, in the order of arrival: a list of text."""
    return hospital.audit.lines


@lesson.input
def read_trail(hospital):
    """The Entry of each message."""
    return entries(lesson.input_of("lines", hospital))


@lesson.input
def trail(hospital):
    """What the messages say, a row for each: a DataFrame with the columns of Entry; `utc` is a time."""
    import pandas as pd
    frame = pd.DataFrame(lesson.input_of("read_trail", hospital), columns=Entry._fields)
    frame["utc"] = pd.to_datetime(frame["utc"])
    return frame


@lesson.input
def roster(hospital):
    """The accounts: a DataFrame with user, kind (person, service, shared), role, unit and left (the day, or None)."""
    import pandas as pd
    rows = [(user.user_id, user.kind, user.role, user.unit, user.left) for user in hospital.staff.users]
    return pd.DataFrame(rows, columns=["user", "kind", "role", "unit", "left"])


@lesson.input
def visits(hospital):
    """Who was a patient of which unit in these weeks: a DataFrame with patient, unit, begins and ends (UTC)."""
    import pandas as pd
    some = list(hospital.audit.visits.values())
    frame = pd.DataFrame([(visit.pid, visit.location) for visit in some], columns=["patient", "unit"])
    frame["begins"] = pd.to_datetime([visit.begins for visit in some], unit="s")
    frame["ends"] = pd.to_datetime([visit.ends for visit in some], unit="s")
    return frame


@lesson.input
def request(hospital):
    """Who asks, and about what: a dict with patient_id, name (as the archive searches it: capitals without accents), study_uid and
    exam."""
    known = hospital.truth["people"]["P7"]
    study = next(one for one in hospital.audit.studies if one.pid == known["pid"])
    return {"patient_id": known["pid"], "name": names.search_form(known["name"]), "study_uid": study.uid, "exam": study.description}


@lesson.input
def samples(hospital):
    """Three syslog messages of the trail, by a name for each."""
    held = lesson.input_of("lines", hospital)
    case = hospital.truth["case_17"]
    wanted = {"opened": lambda one: one.event == OPENED and one.study == case["study_uid"] and one.user,
              "searched": lambda one: one.event == SEARCHED and one.source == "HV_PACS" and one.user,
              "stored": lambda one: one.event == TRANSFERRED and one.study == case["study_uid"] and one.source == "CTER01"}
    trail = lesson.input_of("read_trail", hospital)
    return {name: held[next(one.number for one in trail if fits(one)) - 1] for name, fits in wanted.items()}


@lesson.input
def trauma(hospital):
    """Who opened the images of a patient of the Emergency department in one night, and when: a list of (user, unit, [minutes after the
    arrival of the images], whether there is a care relation)."""
    incident = next(one for one in hospital.audit.incidents if one.id.startswith("B1-11"))
    arrived = next(one.created for one in hospital.audit.studies if one.uid == incident.facts["study_uid"])
    moments = {}
    for event in hospital.audit.of(incident):
        moments.setdefault(event.user_id, []).append(round((clock.seconds(event.utc[:19]) - arrived) / 60, 1))
    units = {user: hospital.staff.user(user).unit for user in moments}
    rows = [(user, units[user], sorted(some), units[user] in (*IMAGING, "Emergency")) for user, some in moments.items()]
    return sorted(rows, key=lambda one: (one[2], one[0]))


@lesson.input
def case_trail(hospital):
    """What the trail holds of the night of Case 17: a list of (EventDateTime as sent, UTC, source, what), by UTC."""
    case = hospital.truth["case_17"]
    held = lesson.input_of("lines", hospital)
    found = []
    for one in lesson.input_of("read_trail", hospital):
        told = _told_of_the_night(one, case)
        if told and told not in [what for *_, what in found]:
            sent = re.search(r'EventDateTime="([^"]*)"', held[one.number - 1])[1]
            found.append((f"{sent[:19].replace('T', ' ')} {sent[23:]}", one.utc, one.source, told))
    return sorted(found, key=lambda row: row[1])


def _told_of_the_night(one, case):
    """What a message says of Case 17, in words, or None."""
    if one.utc < "2025-03-30 01:00:00" or one.utc > "2025-03-30 08:00:00":
        return None
    if one.study == case["planned_study_uid"]:
        return "the CT is ordered"
    if one.event == AUTHENTICATED and one.user == "ctuser":
        return "ctuser logs in at the scanner"
    if one.event == "110113" and one.source == "HV_MWL":
        return "worklist query refused: CTER01 is not known"
    if one.search and case["accession"] in one.search:
        return "search by accession number: nothing"
    if one.search and case["temporary_id"] in one.search:
        return "search by the temporary number: nothing"
    if one.study == case["study_uid"]:
        return {TRANSFERRED: "images sent" if one.source == "CTER01" else "images stored" if one.source == "HV_PACS" else "copy in the VNA",
                "110113": "emergency override", OPENED: "images opened", EXPORTED: "manifest refused"}.get(one.event)
    if one.search and case["patient_id"] in one.search and one.source == "HV_VNA":
        return "Eastcliff asks for the CT: nothing"
    return None


# --- part 1: is it an audit message, and who speaks in it?

_PEOPLE = ("avisser", "mjansen", "pkuipers", "ldekker", "tnovak", "eharding", "rtanaka", "bcosta")
_HOSTS = ("10.20.60.12", "10.20.60.83", "10.20.40.23", "10.20.60.145")


def _made(draw, event=None, people=None, outcome="0", when="2025-03-19T13:33:18.487Z", objects=None):
    """An audit message as XML text, and the UserID of its requestor or None; `people` are the texts of its participants."""
    user, host = draw.choice(_PEOPLE), draw.choice(_HOSTS)
    person = audit.participant(user + DOMAIN, True, name="SOMEBODY", host=host)
    archive = audit.participant("2214", False, (), "HV_PACS", "AETITLES=HV_PACS", "10.20.10.10")
    uid, pid = f"2.999.200.7.{draw.randrange(10**7, 10**8)}", f"HV{draw.randrange(10**5, 10**6)}"
    accession = f"A25{draw.randrange(10**8, 10**9)}"
    things = audit.study(uid, "MR KNEE", accession, (("1.2.840.10008.5.1.4.1.1.4", 120),)) + audit.patient(pid, "DOE^JANE")
    return audit.message(event or OPENED, "R", when, "".join(people) if people is not None else person + archive, "HV_PACS",
                         things if objects is None else objects, outcome, site="HVGH", source_type="4"), user, pid


def _old(xml, element):
    """The message with the attribute of RFC 3881 in elements of one name."""
    return re.sub(rf'(<{element} )csd-code="([^"]*)"([^>]*?)originalText=', r'\1code="\2"\3displayName=', xml)


def _broken(draw):
    """Messages for the check of messages: right ones, and each rule broken in several ways; in a random order."""
    found = []
    for outcome in ("0", "0", "4", "8", "12"):
        found.append(_made(draw, outcome=outcome)[0])
    for outcome in ("1", "1", "2", "success", ""):
        found.append(_made(draw, outcome=outcome)[0])
    found.append(_made(draw, people=[])[0])
    found.append(_made(draw, people=[], objects="")[0])
    bare = audit.participant(draw.choice(_PEOPLE) + DOMAIN, True)
    found.append(_made(draw, people=[bare])[0])
    source = audit.participant("ct2", True, ("110153",), "CT2", "AETITLES=CT2", "10.20.30.42")
    sink = audit.participant("2214", False, ("110152",), "HV_PACS", "AETITLES=HV_PACS", "10.20.10.10")
    stored = _made(draw, event=TRANSFERRED, people=[source, sink])[0]
    found += [stored, _old(stored, r"\w+")]
    found += [_old(stored, element) for element in ("RoleIDCode", "ParticipantObjectIDTypeCode", "EventID")]
    # The kind of a medium stands three levels below the message.
    medium = audit.participant("CD HV100603", False, ("110154",), media=("110032", "CD"))
    found.append(_old(_made(draw, event=EXPORTED, people=[medium, audit.participant("avisser" + DOMAIN, True)])[0], "MediaType"))
    # What stands in a text is no attribute: written so by senders that escape quotation marks in attributes only.
    quoted = _made(draw)[0].replace("MR KNEE", 'KNEE, barcode code="7"')
    found += [quoted, _old(_made(draw)[0], "EventID").replace("MR KNEE", 'KNEE csd-code="7"')]
    # An attribute that is there and empty is there; so is one in single quotes, or on a line of its own. And a name may hold the word.
    started = _made(draw)[0].replace("</EventIdentification>", '<EventTypeCode code="" displayName=""/></EventIdentification>')
    found += [started, _old(_made(draw)[0], "EventID").replace('code="110103"', "code='110103'"),
              _old(_made(draw)[0], "EventID").replace(" code=", "\n  code="), _made(draw)[0].replace("SOMEBODY", "KNEE, code=7"),
              _made(draw, outcome="")[0].replace("SOMEBODY", "KNEE, code=7")]
    found.append(_made(draw, event="110113", people=[sink])[0])                  # nobody began it, and it is right
    # Both attributes in one element, and neither; and the word ActiveParticipant where there is none.
    found += [_made(draw)[0].replace('csd-code="110103"', 'csd-code="110103" code="110103"'),
              _made(draw)[0].replace("</EventIdentification>", '<EventTypeCode originalText="Opened"/></EventIdentification>'),
              _made(draw, people=[])[0].replace("MR KNEE", "MR KNEE, no ActiveParticipant"),
              _made(draw, people=[])[0].replace("<AuditSourceIdentification", "<!-- no <ActiveParticipant> --><AuditSourceIdentification")]
    both = _old(_made(draw, outcome="1")[0], "EventID")
    found += [both, _made(draw, people=[], outcome="1")[0]]
    draw.shuffle(found)
    return found


def _what_is_in_it(case, word):
    """A sentence on what a check of messages has overlooked in this one, or has seen where it is not."""
    message = ET.fromstring(case[0])
    old = [element.tag for element in message.iter() if "code" in element.attrib]
    outcome = message.find("EventIdentification").get("EventOutcomeIndicator")
    allowed = outcome in ("0", "4", "8", "12")
    if old:
        return f"Here {old[0]} has an attribute `code`, so the first line of the table fits."
    if word == "code":
        return "Here no element has an attribute `code`: `csd-code` is another one, and what stands inside of quotation marks or between " \
            "the tags is a text."
    if outcome is None:
        return "Here EventIdentification has no EventOutcomeIndicator at all: then `.get` gives `None`, which is none of the four."
    if not allowed:
        return f"Here EventOutcomeIndicator is the text `{outcome!r}`; is it one of the four that are allowed?"
    if word == "outcome":
        return f"Here EventOutcomeIndicator is the text `{outcome!r}`, one of the four that are allowed."
    people = message.findall("ActiveParticipant")
    if not people:
        return "Here there is no element ActiveParticipant."
    if word == "participant":
        return "Here there is an ActiveParticipant, whatever it holds."
    return "Here none of the first three lines fits."


@lesson.exercise
class IsItValid:
    """Write `fault(xml)`. It gets an audit message, XML text such as `xml` above, and returns one word, by the first line that fits:

    | if | the word |
    |---|---|
    | any element in the message has an attribute `code` | `"code"` |
    | EventOutcomeIndicator is missing, or is none of 0, 4, 8, 12 | `"outcome"` |
    | there is no ActiveParticipant | `"participant"` |
    | else | `"ok"` |

    The check gives it messages as several vendors send them.
    """

    answer = Function("fault", result=Text(), remark=_what_is_in_it)
    points = 2
    praise = "The standard has more rules (EventDateTime, for one, needs a zone: A.5.2); these three find what senders of this hospital " \
        "really get wrong. Keep what is malformed, with its fault: it is evidence as well, and a call to its vendor."

    def solution(xml):
        import xml.etree.ElementTree as ET
        message = ET.fromstring(xml)
        for element in message.iter():
            if element.get("code") is not None:
                return "code"
        if message.find("EventIdentification").get("EventOutcomeIndicator") not in ("0", "4", "8", "12"):
            return "outcome"
        if message.find("ActiveParticipant") is None:
            return "participant"
        return "ok"

    def _as(xml, code=None, outcome=None, participant=None, order="cop"):
        message = ET.fromstring(xml)
        wrong = {
            "c": ("code", (code or (lambda m: any(one.get("code") is not None for one in m.iter())))(message)),
            "o": ("outcome", (outcome or (lambda said: said not in ("0", "4", "8", "12")))(
                message.find("EventIdentification").get("EventOutcomeIndicator"))),
            "p": ("participant", (participant or (lambda m: m.find("ActiveParticipant") is None))(message)),
        }
        return next((wrong[one][0] for one in order if wrong[one][1]), "ok")

    def only_the_event(xml):
        return IsItValid._as(xml, code=lambda message: message.find("EventIdentification/EventID").get("code") is not None)

    def code_not_asked(xml):
        return IsItValid._as(xml, code=lambda message: False)

    def somewhere_the_new(xml):
        return IsItValid._as(xml, code=lambda message: "csd-code" not in xml)

    def text_of_the_message(xml):
        return IsItValid._as(xml, code=lambda message: ' code="' in xml)

    def any_code_word(xml):
        return "code"

    def two_levels(xml):
        return IsItValid._as(xml, code=lambda message: any(low.get("code") is not None for one in message for low in (one, *one)))

    def outcome_not_asked(xml):
        return IsItValid._as(xml, outcome=lambda said: False)

    def requestor_is_the_participant(xml):
        return IsItValid._as(xml, participant=lambda message: not any(
            one.get("UserIsRequestor") == "true" for one in message.findall("ActiveParticipant")))

    def pattern_in_a_tag(xml):
        return IsItValid._as(xml, code=lambda message: re.search(r"<[^>]*\scode=", xml) is not None)

    def empty_is_none(xml):
        return IsItValid._as(xml, code=lambda message: any(one.get("code") for one in message.iter()))

    def numbers_against_text(xml):
        return IsItValid._as(xml, outcome=lambda said: True)

    def part_of_a_text(xml):
        return IsItValid._as(xml, outcome=lambda said: said not in "0,4,8,12")

    def outcome_first(xml):
        return IsItValid._as(xml, order="ocp")

    def participant_before_outcome(xml):
        return IsItValid._as(xml, order="cpo")

    def failure_is_a_fault(xml):
        return IsItValid._as(xml, outcome=lambda said: said != "0")

    def any_digit(xml):
        return IsItValid._as(xml, outcome=lambda said: not said.isdigit())

    def no_fault_but_one(xml):
        return IsItValid._as(xml, outcome=lambda said: said == "1")

    def objects_are_participants(xml):
        return IsItValid._as(xml, participant=lambda message: not any("Participant" in one.tag for one in message))

    def without_children(xml):
        return IsItValid._as(xml, participant=lambda message: len(
            element if (element := message.find("ActiveParticipant")) is not None else ()) == 0)

    def any_order(xml):
        return IsItValid._as(xml, order="poc")

    wrong_ways = {
        only_the_event: "You look at EventID only. Other coded elements can have the old attribute as well: RoleIDCode, "
        "ParticipantObjectIDTypeCode. `message.iter()` goes through all elements.",
        code_not_asked: "Your function never says `code`. Either it does not ask for that attribute, or it asks the very first element "
        "alone: a `return` in the loop that belongs to no `if`, or to its `else`, ends everything there. What comes after the first line "
        "of the table belongs behind the loop, as far left as the `for`.",
        somewhere_the_new: "You take a message as new when `csd-code` stands anywhere in it. Some senders mix: one coded element is new, "
        "another still old. And a name may hold the word, too.",
        text_of_the_message: "You search in the text of the message. ` code=\"` may also stand in a name that somebody typed. Ask the "
        "elements for the attribute: `element.get(\"code\")`.",
        any_code_word: "You call every message `code`. `csd-code`, the new attribute, is another one: its name ends with the word, and not "
        "every element needs it. Ask each element whether it has the old one: `element.get(\"code\") is not None`.",
        two_levels: "You look at the elements of the message and at those right below them. Some stand deeper: in an export, MediaType "
        "stands inside of a participant's MediaIdentifier. `message.iter()` goes through all, however deep.",
        pattern_in_a_tag: "You search for a pattern in the text. `code=` may also stand in a *value*, a name that somebody typed. Ask the "
        "elements for the attribute: `element.get(\"code\")`.",
        empty_is_none: "You let an attribute pass that is there and empty, `code=\"\"`: an empty text counts as false in Python. Asked is "
        "whether it is there: `element.get(\"code\") is not None`.",
        numbers_against_text: "You call every outcome wrong, the right ones too. In XML every value is text: `.get` gives `\"0\"`, and "
        "that is not the number `0`. Write the four values in quotation marks.",
        part_of_a_text: "You ask whether the outcome stands *in one text*. In `\"0,4,8,12\"` stand 1 and 2 as well, and "
        "even an empty text. Ask a tuple of four texts: `(\"0\", ...)`.",
        outcome_not_asked: "Your function never says `outcome`. Asked is whether the value of EventOutcomeIndicator is one of four texts: "
        "`(\"0\", ...)`.",
        requestor_is_the_participant: "You ask for a participant who began it. An alert about a node may have none, and is right: asked is "
        "whether there is any ActiveParticipant.",
        outcome_first: "The faults are found, but not in the order of the table: an old attribute `code` goes before a wrong outcome.",
        participant_before_outcome: "The faults are found, but not in the order of the table: a wrong outcome goes before a missing "
        "participant.",
        failure_is_a_fault: "4, 8 and 12 are right values: they report that something *failed* (minor, serious, major). A message on a "
        "failure is no faulty message; if you throw it away, you throw away the failed logins.",
        any_digit: "You take every number. The four values are an enumeration: what a sender means by 1 or 2, success or a small failure, "
        "nobody can tell.",
        no_fault_but_one: "You refuse the 1 that you have seen in this trail. The next sender writes 2, or a word, or nothing: the rule "
        "names what is allowed, everything else is not.",
        objects_are_participants: "You count a **ParticipantObject**Identification as a participant. It is what was acted *on*: patient, "
        "study, query. Who acted is an **ActiveParticipant**.",
        without_children: "You take an ActiveParticipant without elements inside for none: in Python an element without children counts "
        "as false. Compare: `message.find(...) is None`.",
        any_order: "The faults are found, but not in the order of the table: where a message breaks two rules, the first line that fits "
        "counts.",
    }
    hints = [
        "Begin with `import xml.etree.ElementTree as ET` and `message = ET.fromstring(xml)`. One `if` for each line of the table, in its "
        "order.",
        "First line: `for element in message.iter():` and inside `if element.get(\"code\") is not None: return ...`.",
        "Second line: `message.find(\"EventIdentification\").get(\"EventOutcomeIndicator\")` is a text. Is it `not in (\"0\", ...)`?",
        "Third line: `message.find(\"ActiveParticipant\") is None`. After all of them: `return \"ok\"`.",
    ]

    def cases(draw, lines):
        # Some of the learner's own trail, sound ones and others.
        own = [line[line.index("<AuditMessage"):] for line in draw.sample(lines, 12)]
        # The old form in all of it; and, at the end, a message without an outcome.
        old = _made(draw)[0].replace("csd-code=", "code=")
        without = _made(draw)[0].replace(' EventOutcomeIndicator="0"', "")
        return [(xml,) for xml in [*_broken(draw), *own, old, without]]


class _Time(Text):
    """A moment of UTC: text in any ISO form, or a datetime; compared to the second."""

    def __init__(self):
        super().__init__(reading=_moment, remark=_told_of_a_moment)


_BY_HAND = [f"{day} {time}" for day in ("%d.%m.%Y", "%d-%m-%Y", "%d %B %Y", "%d %b %Y", "%B %d %Y") for time in ("%H:%M", "%H:%M:%S")]


def _moment(value):
    """'2025-03-30 01:41:03' of a text in ISO form (with an offset: in UTC), or as people write it: 22.03.2025 02:09, 22 March 2025, 02:09
    UTC."""
    text = re.sub(r"\s+", " ", re.sub(r",(?!\d)", " ", str(value))).strip()
    text = re.sub(r"(?i) ?(utc|gmt|z)$", "", text)
    for form in _BY_HAND:
        with contextlib.suppress(ValueError):
            return f"{datetime.strptime(text, form):%Y-%m-%d %H:%M:%S}"
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("write the time as `2025-03-30 01:41:03`") from None
    if found.tzinfo is not None:
        found = found.astimezone(UTC)
    return f"{found:%Y-%m-%d %H:%M:%S}"


def _told_of_a_moment(given, right):
    """A sentence on a wrong moment."""
    apart = (datetime.fromisoformat(given) - datetime.fromisoformat(right)).total_seconds()
    if apart % 3600 == 0:
        return "That is off by whole hours: look at the offset."
    return "That is another moment."


def _messages_of_all_kinds(draw):
    """(xml, stamp) pairs: who acted stands at different places, times with offset, Z or none, some sent long after the event."""
    found = []
    archive = audit.participant("2214", False, (), "HV_PACS", "AETITLES=HV_PACS", "10.20.10.10")
    for number in range(36):
        user, host = draw.choice(_PEOPLE) + DOMAIN, draw.choice(_HOSTS)
        person = audit.participant(user, True, name="SOMEBODY", host=host)
        began = datetime(2025, 3, draw.randrange(9, 32), draw.randrange(24), draw.randrange(60), draw.randrange(60), tzinfo=UTC)
        offset = draw.choice((0, 0, 1, 2, -5, 5.5))
        zone = number % 4 != 3
        # A message that could not be sent at once is sent later: the header tells when. Without a zone there is nothing else to go by.
        sent = began + timedelta(seconds=draw.randrange(1, 4) if not zone or number % 3 else draw.randrange(3000, 90000))
        shown = (began + timedelta(hours=offset)).strftime("%Y-%m-%dT%H:%M:%S")
        shown += (_written(offset) if offset else draw.choice(("Z", "+00:00"))) if zone else ""
        if number % 6 == 0:
            issuer = audit.participant("viewer", False, ("110153",), "HV_VIEW", "AETITLES=HV_VIEW", host)
            xml = _made(draw, event=SEARCHED, people=[issuer, archive, person], when=shown)[0]
        elif number % 6 == 1:
            xml = _made(draw, people=[person, archive], when=shown)[0]
        elif number % 6 == 2:
            sender = audit.participant("ct2", True, ("110153",), "CT2", "AETITLES=CT2", "10.20.30.42")
            sink = audit.participant("2214", False, ("110152",), "HV_PACS", "AETITLES=HV_PACS", "10.20.10.10")
            pair = [sender, sink] if number % 4 else [sink, sender]
            xml = _made(draw, event=TRANSFERRED, people=pair, when=shown)[0]
        elif number % 6 == 3:
            xml = _made(draw, event="110113", people=[archive], when=shown)[0]
        elif number % 6 == 4:
            medium = audit.participant("CD HV100603", False, ("110154",), media=("110032", "CD"))
            xml = _made(draw, event=EXPORTED, people=[medium, person.replace('"true"', '"1"')], when=shown)[0]
        else:
            asked = audit.participant(draw.choice(_PEOPLE) + DOMAIN, False, name="SOMEBODY ELSE", host=host)
            if number % 12 == 5:                        # a sender that writes its booleans as digits
                people = [one.replace('"true"', '"1"').replace('"false"', '"0"') for one in (asked, person, archive)]
            else:
                people = [asked, archive, person]
            xml = _made(draw, people=people, when=shown)[0]
        # The header has an offset of its own: some senders write Z, others their wall clock's time.
        ahead = (0, 1, 0, 2)[number // 4 % 4]
        found.append((xml, (sent + timedelta(hours=ahead)).strftime("%Y-%m-%dT%H:%M:%S") + (_written(ahead) if ahead else "Z")))
    # Malformed, as some of this month's: nobody took part.
    found.append((_made(draw, people=[], when="2025-03-20T09:00:00Z")[0], "2025-03-20T09:00:02Z"))
    # A person who took part and began nothing, beside a device that did, and beside nobody who did: first, last.
    device = audit.participant("ct2", True, ("110153",), "CT2", "AETITLES=CT2", "10.20.30.42")
    for beginner, last in itertools.product((device, archive), (True, False)):
        person = audit.participant(draw.choice(_PEOPLE) + DOMAIN, False, name="SOMEBODY", host=draw.choice(_HOSTS))
        xml = _made(draw, event=TRANSFERRED, people=[beginner, person] if last else [person, beginner], when="2025-03-20T10:00:00Z")[0]
        found.append((xml, "2025-03-20T10:00:02Z"))
    return found


def _written(hours):
    """'+05:30' of 5.5."""
    return f"{'-' if hours < 0 else '+'}{int(abs(hours)):02d}:{int(abs(hours) % 1 * 60):02d}"


def _acted(xml, stamp, who=None, when=None):
    """The solution of `WhoAndWhen` with another idea of who acted, or of when."""
    message = ET.fromstring(xml)
    people = message.findall("ActiveParticipant")
    requestors = [one.get("UserID") for one in people if one.get("UserIsRequestor") in ("true", "1")]
    user = who(message, people) if who and people else requestors[0] if requestors else "nobody"
    said = message.find("EventIdentification").get("EventDateTime")
    moment = datetime.fromisoformat(said)
    if moment.tzinfo is None:
        moment = datetime.fromisoformat(stamp)
    return {"user": user, "utc": when(said, stamp) if when else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"}


def _told_of_who(case, found):
    """A sentence on a wrong `user`, or None."""
    right, given = _acted(*case)["user"], str(found["user"]).casefold()
    if given == right.casefold():
        return None
    people = ET.fromstring(case[0]).findall("ActiveParticipant")
    if given in [(one.get("AlternativeUserID") or "").casefold() for one in people]:
        return "About `user`: that is AlternativeUserID, another name of a process. UserID is asked."
    if right == "nobody":
        return "About `user`: here no participant is marked as the requestor."
    if "@" not in right:
        return "About `user`: here a device is marked as the requestor. Whether it is a person does not matter: who has the mark began it."
    return None


_NOT_FALSE = "You take everybody who is not marked `\"false\"`. UserIsRequestor is an XML boolean: `\"0\"` is the same as " \
    "`\"false\"`, and so you name somebody who began nothing. Ask who "


@lesson.exercise
class WhoAndWhen:
    """Write `acted(xml, stamp)`. It gets an audit message (XML text) and the time in the syslog header that came with it.
    It returns a dictionary:

    - `user`: the **UserID** of the participant that began it, as it stands in the message, or `"nobody"` if the message marks none;
    - `utc`: when it **happened**, in UTC, as `"2025-03-30 01:41:03"`. Where EventDateTime has no time zone, nobody can say what hour was
      meant: then take the header's time, which in this house always has one.
    """

    answer = Function("acted", result=Fields("acted", {"user": Text(), "utc": _Time()}, in_order=True), remark=_told_of_who)
    points = 3
    praise = "These two lines, who and when, are what will be read aloud in a hearing. Now they are right for every sender of the house."

    def solution(xml, stamp):
        import xml.etree.ElementTree as ET
        from datetime import datetime, timezone

        message = ET.fromstring(xml)
        user = "nobody"
        for participant in message.findall("ActiveParticipant"):
            if participant.get("UserIsRequestor") in ("true", "1"):
                user = participant.get("UserID")
        moment = datetime.fromisoformat(message.find("EventIdentification").get("EventDateTime"))
        if moment.tzinfo is None:
            moment = datetime.fromisoformat(stamp)
        return {"user": user, "utc": moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")}

    def first_participant(xml, stamp):
        return _acted(xml, stamp, lambda message, people: people[0].get("UserID"))

    def last_participant(xml, stamp):
        return _acted(xml, stamp, lambda message, people: people[-1].get("UserID"))

    def word_true_only(xml, stamp):
        return _acted(xml, stamp, lambda message, people: next(
            (one.get("UserID") for one in people if one.get("UserIsRequestor") == "true"), "nobody"))

    def all_but_the_word_false(xml, stamp):
        return _acted(xml, stamp, lambda message, people: next(
            (one.get("UserID") for one in reversed(people) if one.get("UserIsRequestor") != "false"), "nobody"))

    def all_but_the_word_false_first(xml, stamp):
        return _acted(xml, stamp, lambda message, people: next(
            (one.get("UserID") for one in people if one.get("UserIsRequestor") != "false"), "nobody"))

    def without_the_domain(xml, stamp):
        return {**_acted(xml, stamp), "user": _acted(xml, stamp)["user"].split("@")[0]}

    def offsets_with_a_plus_only(xml, stamp):
        return _acted(xml, stamp, when=lambda said, stamp: (
            datetime.fromisoformat(said if said.endswith("Z") or "+" in said else stamp)
            .astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")))

    def the_destination(xml, stamp):
        return _acted(xml, stamp, lambda message, people: next(
            (one.get("UserID") for one in people if one.find("RoleIDCode[@csd-code='110152']") is not None),
            next((one.get("UserID") for one in people if one.get("UserIsRequestor") in ("true", "1")), "nobody")))

    def the_person(xml, stamp):
        return _acted(xml, stamp, lambda message, people: next(
            (one.get("UserID") for one in people if one.get("UserID").endswith(DOMAIN)), "nobody"))

    def person_before_requestor(xml, stamp):
        return _acted(xml, stamp, lambda message, people: WhoAndWhen._or_a_person(people, -1))

    def first_person_before_requestor(xml, stamp):
        return _acted(xml, stamp, lambda message, people: WhoAndWhen._or_a_person(people, 0))

    def _or_a_person(people, place):
        persons = [one.get("UserID") for one in people if one.get("UserID").endswith(DOMAIN)]
        requestors = [one.get("UserID") for one in people if one.get("UserIsRequestor") in ("true", "1")]
        return persons[place] if persons else requestors[0] if requestors else "nobody"

    def set_back_by_else(xml, stamp):
        return _acted(xml, stamp, lambda message, people: (
            people[-1].get("UserID") if people[-1].get("UserIsRequestor") in ("true", "1") else "nobody"))

    def the_patient(xml, stamp):
        return _acted(xml, stamp, lambda message, people: next(
            one.get("ParticipantObjectID") for one in message.findall("ParticipantObjectIdentification")
            if one.get("ParticipantObjectTypeCode") == "1"))

    def name_of_the_user(xml, stamp):
        return _acted(xml, stamp, lambda message, people: next(
            (one.get("UserName") for one in people if one.get("UserIsRequestor") in ("true", "1")), "nobody"))

    def offset_cut_off(xml, stamp):
        return _acted(xml, stamp, when=lambda said, stamp: said[:19].replace("T", " "))

    def offset_the_wrong_way(xml, stamp):
        def when(said, stamp):
            moment = datetime.fromisoformat(said)
            moment = moment if moment.tzinfo else datetime.fromisoformat(stamp)
            return f"{moment.replace(tzinfo=None) + moment.utcoffset():%Y-%m-%d %H:%M:%S}"
        return _acted(xml, stamp, when=when)

    def always_the_header(xml, stamp):
        return _acted(xml, stamp, when=lambda said, stamp: stamp)

    def no_zone_is_utc(xml, stamp):
        def when(said, stamp):
            moment = datetime.fromisoformat(said)
            return f"{moment if moment.tzinfo is None else moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        return _acted(xml, stamp, when=when)

    def no_zone_is_local(xml, stamp):
        def when(said, stamp):
            moment = datetime.fromisoformat(said)
            if moment.tzinfo is None:
                moment = datetime.fromtimestamp(_utc_of_wall(said), UTC)
            return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        return _acted(xml, stamp, when=when)

    wrong_ways = {
        first_participant: "You take the first participant. Their order means nothing: in a search the viewer stands first, in an export "
        "the disc.",
        last_participant: "You take the last participant. Their order means nothing: in many messages the last one is the archive itself. "
        "(If your condition looks right: in Python every text but the empty one counts as true, `\"false\"` as well.)",
        set_back_by_else: "You find who began it, and the next participant sets it back to `\"nobody\"`. Set `user` to \"nobody\" once, "
        "before the loop, and do without the `else`.",
        word_true_only: "You take `\"true\"` only. UserIsRequestor is an XML boolean, and for that `\"1\"` is the same as `\"true\"`.",
        all_but_the_word_false: _NOT_FALSE + "has the mark: true, or 1.",
        all_but_the_word_false_first: _NOT_FALSE + "is marked as the requestor.",
        without_the_domain: "You cut off what stands behind the @. UserID is asked as it stands in the message: two houses that share a "
        "repository may each have an account of that name.",
        offsets_with_a_plus_only: "You know a zone by `Z` or `+`. West of Greenwich an offset has a minus, `-05:00`. "
        "Let `fromisoformat` read it, and ask `moment.tzinfo is None`.",
        the_destination: "You take the destination of a transfer. It is where the images went; who began the transfer is marked by "
        "UserIsRequestor.",
        person_before_requestor: "You let a person who took part stand in the place of who began it: the last one that looks like a "
        "person. A scanner begins its transfers itself, and some messages mark nobody: UserIsRequestor tells, and nothing else.",
        first_person_before_requestor: "You let a person who took part stand in the place of who began it: the first one that looks like a "
        "person. A scanner begins its transfers itself, and some messages mark nobody: UserIsRequestor tells, and nothing else.",
        the_person: "You take whoever looks like a person. A message may name persons who began nothing, and a scanner begins its "
        "transfers itself: UserIsRequestor tells, and nothing else.",
        the_patient: "That is the patient, a participating **object**: whom it was about. Who acted is an active participant.",
        name_of_the_user: "That is UserName, for people to read: two colleagues may share it. What identifies an account is UserID.",
        offset_cut_off: "You cut off the offset. 03:41 +02:00 and 01:41 Z are the same moment; without the offset they are two hours "
        "apart.",
        offset_the_wrong_way: "You add the offset. It says how far that clock is *ahead* of UTC: going to UTC it has to be taken off. "
        "`.astimezone(timezone.utc)` does it.",
        always_the_header: "You always take the header's time. That is when the message was written for sending; a sender that could not "
        "reach the repository keeps its messages and sends them hours later. EventDateTime is when it happened.",
        no_zone_is_utc: "You take a time without zone for UTC. Perhaps it is, and where the header shows the same figures with a Z that is "
        "likely; but the message does not prove it, and in a hearing that counts. The header has a zone.",
        no_zone_is_local: "You take a time without zone for the wall clock's. Perhaps it is; nobody can tell from the message, and in a "
        "hearing it is an hour that is not proven. The header has a zone.",
    }
    hints = [
        "`for participant in message.findall(\"ActiveParticipant\"):` goes through them; the mark is the attribute UserIsRequestor, the "
        "text \"true\" or \"1\".",
        "`datetime.fromisoformat(text)` reads a time with its offset, if there is one. `moment.tzinfo is None` asks whether there was "
        "none.",
        "`moment.astimezone(timezone.utc).strftime(\"%Y-%m-%d %H:%M:%S\")` is the text that is asked. The imports: `from datetime import "
        "datetime, timezone`.",
    ]

    def cases(draw):
        return _messages_of_all_kinds(draw)


def _utc_of_wall(text):
    """Seconds since 1970 at which the wall clock of Amsterdam shows the time in `text`."""
    return int(clock.to_utc(clock.seconds(text[:19].replace("T", " "))))


# --- part 2: sessions

def _sessions(logins, starts=None, same=None, oldest=False, keep_open=True, merge=False, every=False, closes=False, ends=None,
              else_ends=False, youngest_only=False, again=False):
    """The solution of `Sessions` with other ideas.

    starts : which rows begin a session;  same : which open session a logout ends;  oldest : of several, the oldest one
    keep_open : keep those without a logout;  merge : a second login goes on with the session that is open
    every : a logout ends all that are open;  closes : a login ends the session before it;  ends : which logouts count
    else_ends : what begins no session ends one;  youngest_only : a logout looks at the last session alone, whether it is open or not
    again : and ends it even if it has an end
    """
    starts = starts or (lambda row: row["type"] == LOGIN and row["outcome"] == "0")
    same = same or (lambda one, row: one["user"] == row["user"] and one["host"] == row["host"])
    found = []
    for row in logins:
        waiting = [one for one in found if same(one, row)]
        if youngest_only or again:
            waiting = waiting[-1:]
        if not again:
            waiting = [one for one in waiting if one["end"] is None]
        if starts(row):
            for one in waiting if closes else ():
                one["end"] = row["utc"]
            if not (merge and waiting):
                found.append({"user": row["user"], "host": row["host"], "begin": row["utc"], "end": None})
        elif (row["type"] == LOGOUT or else_ends) and waiting and (ends is None or ends(row)):
            for one in waiting if every else [waiting[0 if oldest else -1]]:
                one["end"] = row["utc"]
    return [one for one in found if keep_open or one["end"] is not None]


class _SessionTable(Table):
    """A table of sessions; an empty list is one without rows."""

    def read(self, given):
        """As every table."""
        if type(given) in (list, tuple) and not given:
            return Rows(["user", "host", "begin", "end"], [])
        return super().read(given)


def _told_of_sessions(case, found):
    """A sentence on the sessions that were found, or None."""
    names_ = [name.casefold() for name in found.columns]
    ends = [row[names_.index("end")] for row in found.rows] if "end" in names_ else []
    if "" in ends:
        return "A session whose logout never came has the end `None`, not an empty text."
    if any(type(end) is str and end.strip().casefold() == "none" for end in ends):
        return "A session whose logout never came has the end `None`. You gave a text with that word: leave the quotation marks away."
    if not {"user", "host", "begin"} <= set(names_):
        return None
    places = [names_.index(name) for name in ("user", "host", "begin")]
    begun = {tuple(str(row[place])[:19].replace("T", " ") for place in places) for row in found.rows}
    logged = [(row["user"], row["host"], row["utc"], row["outcome"]) for row in case[0] if row["type"] == LOGIN]
    came_in = {(*key,) for *key, outcome in logged if outcome == "0"}
    failed = next((outcome for *key, outcome in logged if outcome != "0" and (*key,) in begun - came_in), None)
    if failed:
        return f"You let a login with outcome {failed} begin a session. " + (
            "What such a sender means by 1 nobody can say: by the question `\"0\"` alone counts." if failed == "1" else
            "It failed, and nobody came in: `\"0\"` alone is success.")
    missing = [one for one in _sessions(case[0]) if (one["user"], one["host"], one["begin"]) not in begun]
    if missing and all(one["end"] is None for one in missing):
        return "A session without a logout is missing. It took place: it is asked as well, with the end `None`."
    if missing and all(one["end"] == one["begin"] for one in missing):
        return "A session is missing that began and ended within one second. It is one as well."
    return None


@lesson.exercise
class Sessions:
    """Write `sessions(logins)`. It gets what one system reported of logins and logouts, in the order of time: a list of dictionaries with
    `utc`, `type` (`"110122"` login, `"110123"` logout), `outcome`, `user` and `host`. It returns a list of dictionaries with `user`,
    `host`, `begin` and `end`, one for each session:

    - a **successful** login (`outcome` is the text `"0"`) begins a session, always a new one;
    - a logout, whatever its outcome, ends the **youngest** session (the one that began last) of the same user **at the same host** that has
      no end yet; without such a session it means nothing;
    - a session whose logout never came has the end `None`.
    """

    answer = Function("sessions", result=_SessionTable("sessions", key=["user", "host", "begin"], takes="a list of dictionaries",
                                                     spare=["type", "outcome", "utc"]),
                      remark=_told_of_sessions)
    points = 3
    praise = "One in seven sessions of this hospital has no logout: people pull the plug, workstations lock. Whoever leaves these out " \
        "does not see a second login elsewhere either."

    def solution(logins):
        found = []
        for row in logins:
            if row["type"] == "110122" and row["outcome"] == "0":
                found.append({"user": row["user"], "host": row["host"], "begin": row["utc"], "end": None})
            if row["type"] == "110123":
                for session in reversed(found):
                    if session["user"] == row["user"] and session["host"] == row["host"] and session["end"] is None:
                        session["end"] = row["utc"]
                        break
        return found

    def failed_ones_too(logins):
        return _sessions(logins, starts=lambda row: row["type"] == LOGIN)

    def by_user_alone(logins):
        return _sessions(logins, same=lambda one, row: one["user"] == row["user"])

    def by_host_alone(logins):
        return _sessions(logins, same=lambda one, row: one["host"] == row["host"])

    def whoever_logs_out(logins):
        return _sessions(logins, same=lambda one, row: True)

    def the_oldest(logins):
        return _sessions(logins, oldest=True)

    def ended_ones_only(logins):
        return _sessions(logins, keep_open=False)

    def one_at_a_time(logins):
        return _sessions(logins, merge=True)

    def all_of_them(logins):
        return _sessions(logins, every=True)

    def closed_by_the_next(logins):
        return _sessions(logins, closes=True)

    def successful_logouts_only(logins):
        return _sessions(logins, ends=lambda row: row["outcome"] == "0")

    def failed_logins_end(logins):
        return _sessions(logins, else_ends=True)

    def the_last_one_only(logins):
        return _sessions(logins, youngest_only=True)

    def ended_again(logins):
        return _sessions(logins, again=True)

    def one_for_each_pair(logins):
        return list({(one["user"], one["host"]): one for one in _sessions(logins, youngest_only=True)}.values())

    def outcome_as_a_number(logins):
        return _sessions(logins, starts=lambda row: False)

    def returned_in_the_loop(logins):
        return _sessions(logins[:1])

    wrong_ways = {
        failed_logins_end: "You let a failed login end a session: what is no *successful* login goes to your `else`. Ask for the logout by "
        "its own type, `elif row[\"type\"] == \"110123\":`.",
        the_last_one_only: "A logout looks at the last session of that user and computer alone. Where that one has an end already, an "
        "older one may still be open: after login, login, logout, logout both are ended.",
        ended_again: "A logout gives a new end to a session that has one. Look for a session whose end is still `None`; without one the "
        "logout means nothing.",
        one_for_each_pair: "You keep one session for each user and computer, so the next login overwrites the one before. Append each "
        "to a list.",
        failed_ones_too: "You let a failed login begin a session. Outcome 4 or 8: the password was wrong, and nobody came in.",
        by_user_alone: "You look for the user only. The same account may be logged in at two computers: that is what you want to notice, "
        "and the logout at one of them does not end the other.",
        by_host_alone: "You look for the host only. At a shared computer several people work one after the other, and one's logout would "
        "end another's session.",
        whoever_logs_out: "Any logout ends the last session. Dozens are logged in at the same time: match user and host.",
        the_oldest: "You end the oldest of several sessions that are open. The older ones were left without a logout, perhaps weeks ago; "
        "who logs out now ends the youngest.",
        ended_ones_only: "You leave out the sessions that have no logout. They took place; each may be a computer that was left open.",
        one_at_a_time: "A second login at the same computer goes on with the old session. The question says: always a new one; the older "
        "one stays without an end.",
        all_of_them: "One logout ends several sessions of that user at that computer. It ends one, the youngest; when the older ones "
        "ended, nobody knows. If you look for the session of each logout: leave the inner loop with `break` when you have it. If you look "
        "for the logout of each login: one logout may not serve two of them.",
        closed_by_the_next: "You let a new login end the session before it. When that one ended, nobody knows: it stays without an end.",
        successful_logouts_only: "You take only logouts with outcome 0. Nobody fails to log out: the few with outcome 1 come from "
        "senders that count outcomes their own way, and the session is over all the same.",
        outcome_as_a_number: "Your list is empty: no login counts as successful. `outcome` and `type` are text, as in the message: compare "
        "with `\"0\"`, not with the number 0.",
        returned_in_the_loop: "Your function returns after the first row. `return found` belongs behind the loop, as far left as "
        "the `for`.",
    }
    hints = [
        "Begin with `found = []` and `for row in logins:`. A login that succeeded appends a dictionary whose `end` is `None`; at the end "
        "`return found`.",
        "For a logout go through what is found so far backwards, `for session in reversed(found):`. Which one is of the same user and "
        "host, and has no end yet?",
        "When you have it, set its end, `session[\"end\"] = row[\"utc\"]`, and leave the inner loop with `break`: one logout, one session.",
    ]

    def cases(draw):
        def at(minute):
            return f"{datetime(2025, 3, 19, 6) + timedelta(minutes=minute):%Y-%m-%d %H:%M:%S}"
        found = []
        for number in range(8):
            users, hosts = draw.sample(_PEOPLE, 3), draw.sample(_HOSTS, 2)
            # The first rows hold, in this order, each thing that an idea could stumble over.
            plan = [(users[0], hosts[0], LOGIN, "4"), (users[0], hosts[0], LOGIN, "0"), (users[0], hosts[1], LOGIN, "0"),
                    (users[0], hosts[0], LOGOUT, "0"), (users[1], hosts[0], LOGIN, "0"), (users[1], hosts[0], LOGIN, "0"),
                    (users[2], hosts[0], LOGIN, "0"), (users[1], hosts[0], LOGOUT, "0"), (users[2], hosts[1], LOGOUT, "0"),
                    (users[0], hosts[1], LOGIN, "8"), (users[1], hosts[0], LOGOUT, "0"), (users[0], hosts[1], LOGOUT, "0"),
                    (users[0], hosts[1], LOGOUT, "0")][number % 2:]
            # What is no "0" is no success, the 1 of a sender that counts its own way included.
            plan += [(users[1], hosts[1], LOGIN, "1"), (users[2], hosts[1], LOGIN, "12")]
            plan += [(draw.choice(users), draw.choice(hosts), draw.choice((LOGIN, LOGIN, LOGOUT)), draw.choice(("0", "0", "0", "8")))
                     for _ in range(draw.randrange(6, 20))] if number else []
            # Nobody fails to log out; a sender that counts outcomes its own way says 1.
            rows = [(user, host, kind, ("1" if place % 4 == 3 else "0") if kind == LOGOUT else outcome)
                    for place, (user, host, kind, outcome) in enumerate(plan)]
            # In and out within one second.
            rows += [(users[2], hosts[1], LOGIN, "0"), (users[2], hosts[1], LOGOUT, "0")]
            minute = 0
            made = []
            for place, (user, host, kind, outcome) in enumerate(rows, 1):
                minute += draw.randrange(1, 30) if place < len(rows) else 0
                made.append({"utc": at(minute), "type": kind, "outcome": outcome, "user": user, "host": host})
            found.append((made,))
        return found


@lesson.input
def logins(hospital):
    """The logins and logouts of HV_PACS, in the order of time: a list of dictionaries."""
    return [{"utc": one.utc, "type": one.type, "outcome": one.outcome, "user": one.user, "host": one.host}
            for one in lesson.input_of("read_trail", hospital) if one.event == AUTHENTICATED and one.source == "HV_PACS" and one.user]


@lesson.input
def two_sites(hospital):
    """Sessions of one account at two sites that began within ten minutes: a DataFrame with user, host, begin, other_host, other_begin."""
    import pandas as pd
    some = _sessions(lesson.input_of("logins", hospital))
    rows = [(one["user"], one["host"], one["begin"], other["host"], other["begin"]) for one, other in _elsewhere(some)]
    return pd.DataFrame(rows, columns=["user", "host", "begin", "other_host", "other_begin"])


def site(host):
    """The site of an IPv4 address of ours: 10.20 is the hospital, 10.60 Eastcliff."""
    return ".".join(host.split(".")[:2])


def _elsewhere(sessions):
    """Pairs of sessions of one account that began at two sites within ten minutes, the first not yet ended."""
    by_user = {}
    for one in sessions:
        by_user.setdefault(one["user"], []).append(one)
    for some in by_user.values():
        for one, other in zip(some, some[1:], strict=False):
            if site(one["host"]) != site(other["host"]) and (one["end"] or "9") > other["begin"] \
                    and clock.seconds(other["begin"]) - clock.seconds(one["begin"]) <= 600:
                yield one, other


# --- part 3: who looked at her?

# Who makes and reads exams, whichever unit has the patient.
IMAGING = ("Radiology", "Nuclear medicine", "Cath lab", "Cardiology", "Obstetrics", "Dental clinic", "Wound clinic", "Imaging IT")


def fits_name(key, name):
    """Whether a PatientName key with wildcards fits a name, both as the archive searches them."""
    pattern = "".join(".*" if sign == "*" else "." if sign == "?" else re.escape(sign) for sign in key.upper())
    return re.fullmatch(pattern, name) is not None


def _searched_name(search):
    """The PatientName of a search, or None."""
    return next((key.removeprefix("PatientName=") for key in (search or "").split("; ") if key.startswith("PatientName=")), None)


def _looks(trail, request, roster, among, opened=True, listed=True, evidence=min):
    """The rows of the answer to `WhoLooked` by other ideas.

    among : which users count, a function of a row of the roster (a dict);  opened, listed : which ways of looking count
    evidence : a function of the numbers of a user's messages
    """
    people = {row["user"]: row for row in roster.to_dict("records")}
    found = {}
    for one in trail.itertuples():
        if one.user not in people or not among(people[one.user]) or one.source != "HV_PACS":
            continue
        key = _searched_name(one.search) if isinstance(one.search, str) else None
        if one.event == OPENED and one.patient == request["patient_id"] and opened:
            found.setdefault(one.user, {}).setdefault("opened", []).append(one.number)
        elif one.event == SEARCHED and listed and key and fits_name(key, request["name"]):
            found.setdefault(one.user, {}).setdefault("listed", []).append(one.number)
    rows = []
    for user, ways in found.items():
        how = "opened" if "opened" in ways else "listed"
        rows.append({"user": user, "how": how, "message": evidence(ways[how])})
    return rows


def _stranger(row):
    return row["kind"] == "person" and row["unit"] not in IMAGING


def _account(value):
    """An account without the hospital's domain, which `trail` leaves out as well."""
    return str(value).strip().casefold().removesuffix(DOMAIN)


def _message_number(value):
    """A message's number: 30212, "#30212", "30,212"."""
    return value if type(value) is not str else re.sub(r"(?i)^(no\.?|nr\.?|message|#)\s*|[,\s](?=\d{3})", "", value.strip())


class _LookedTable(Table):
    """The answer to `WhoLooked`: a row too many is told with what speaks against it, a row that is missing with what to look for."""

    def judge(self, exercise, given, editions):
        """As every table."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label not in ("extra row", "missing row"):
            return verdict
        rows, right = self.read(*given), self._computed(exercise, exercise.solution, editions)
        arranged = self._arranged(rows, right)
        if type(arranged) is not list:
            return verdict
        users = [_account(row[right.columns.index("user")]) for row in arranged]
        wanted = {_account(row[right.columns.index("user")]) for row in right.rows}
        extra = next((one for one in users if one not in wanted), None)
        if extra is None:
            opened = {_account(row[right.columns.index("user")]) for row in right.rows if row[right.columns.index("how")] == "opened"}
            why = "Somebody who opened her images is not in it. To be a colleague, or to treat other patients of that kind, is no care " \
                "relation: by the policy only the imaging units have one, and units with a row of hers in `visits`."
            return Verdict(verdict.outcome, f"{verdict.message} {why}", verdict.label) if opened - set(users) else verdict
        roster = lesson.input_of("roster", editions.own)
        known = roster[roster.user == extra].to_dict("records")
        if not known:
            why = "`roster` has no such account."
        elif known[0]["kind"] != "person":
            why = f"`roster` says that it is a {known[0]['kind']} account, no person."
        elif self._by_date(editions, extra):
            why = "The search by date alone was made with that account; whom it showed nobody can say, and the question leaves it out."
        elif known[0]["unit"] in IMAGING:
            why = f"That person is of the unit {known[0]['unit']}, one of the imaging units: they have a care relation."
        else:
            why = "No opening of that person is about her number, and no name that was searched for fits hers."
        return Verdict(verdict.outcome, f"{verdict.message} {why}", verdict.label)

    def _by_date(self, editions, user):
        trail = lesson.input_of("trail", editions.own)
        return any(str(one).startswith("StudyDate") for one in trail.search[(trail.user == user) & (trail.source == "HV_PACS")])


_INDEX = " (Or did you take the table's index, at the left? It counts from 0; the number of a message stands in the column `number`.)"


def _told_of_a_look(user, column, given, right, input_of):
    """A sentence on a wrong cell of the answer to `WhoLooked`, or None."""
    trail, request = input_of("trail"), input_of("request")
    rows = trail[trail.number == given] if column == "message" and type(given) is int else ()
    if column == "how":
        return "Look whether that person opened her images, or only had her name in a list."
    if not len(rows):
        return "`trail` has no message of that number." if column == "message" else None
    one = rows.iloc[0]
    index = _INDEX if given == right - 1 else ""
    if one.user != user:
        return f"That message is not by this person.{index}"
    key = _searched_name(one.search) if isinstance(one.search, str) else None
    if one.event == SEARCHED and trail.event[trail.number == right].tolist() == [OPENED]:
        return "That message is a search. Who opened her images is proven by the opening, which is another message." + index
    if key and not fits_name(key, request["name"]):
        return f"That message is a search for `{key}`, whose list does not show her: what stands before the star has to be the " \
            "beginning of her name."
    if one.event == OPENED and one.patient != request["patient_id"]:
        return "That message is an opening, but of another patient's images."
    if given > right and one.event in (OPENED, SEARCHED) and trail.event[trail.number == right].tolist() == [one.event]:
        what = "opening" if one.event == OPENED else "search"
        return f"That message is a later one of this person's. The first such {what} proves since when."
    return None


@lesson.exercise
class WhoLooked:
    """Answer the colleague. Who, **without a care relation**, saw her images or her name in `HV_PACS` in these thirty days? A table (a list
    of dictionaries will do) with a row for each such person:

    - `user`, as in `trail`;
    - `how`: `"opened"` if the person opened her images, `"listed"` if only a search by name brought her up in a list;
    - `message`: the number of the first message that proves it: the first *opening*, or for those who only had her in a list, the first
      such *search*.

    HVGH's policy says: the imaging units (`imaging`), which make and read exams, have a care relation, and so have the units that had her
    as a patient (`visits`). A service account is no person. A search by name shows everybody whom its key fits: `MO*` lists all whose name
    begins with MO. (One search of these weeks was by date alone. Whom it showed nobody can say: leave it out here; part 6 comes back to
    it.) You may look the rows up and write them down by hand.
    """

    answer = _LookedTable("looked", key=["user"], takes="a table (or a list of dictionaries)",
                          reading={"user": _account, "message": _message_number}, remark=_told_of_a_look)
    points = 3
    praise = "Two who opened it, one who had her name in a list: three talks of the privacy officer, each with a message number on the " \
        "table; and one list more, by date, of which the trail can't say whether she stood in it. And the technologist, the radiologist " \
        "and `svc_router` are left in peace."

    def solution(trail, request, roster, visits, imaging):
        people = trail[trail.source == "HV_PACS"].merge(roster, on="user")
        units = list(imaging) + list(visits[visits.patient == request["patient_id"]].unit)
        people = people[(people.kind == "person") & ~people.unit.isin(units)]

        opened, listed = {}, {}                    # the first message of each user
        for row in people.itertuples():
            if row.event == "110103" and row.patient == request["patient_id"]:
                if row.user not in opened:
                    opened[row.user] = row.number
            if row.event == "110112" and str(row.search).startswith("PatientName="):
                beginning = row.search.split("=")[1].strip("*")
                if request["name"].startswith(beginning) and row.user not in listed:
                    listed[row.user] = row.number

        rows = []
        for user in opened:
            rows.append({"user": user, "how": "opened", "message": opened[user]})
        for user in listed:
            if user not in opened:
                rows.append({"user": user, "how": "listed", "message": listed[user]})
        return rows

    def openings_only(trail, request, roster):
        return _looks(trail, request, roster, _stranger, listed=False)

    def everybody(trail, request, roster):
        return _looks(trail, request, roster, lambda row: row["kind"] == "person")

    def all_accounts(trail, request, roster):
        return _looks(trail, request, roster, lambda row: True)

    def service_accounts_too(trail, request, roster):
        return _looks(trail, request, roster, lambda row: _stranger(row) or row["kind"] == "service")

    def last_message(trail, request, roster):
        return _looks(trail, request, roster, _stranger, evidence=max)

    def search_as_evidence(trail, request, roster):
        rows = _looks(trail, request, roster, _stranger)
        searched = {row["user"]: row["message"] for row in _looks(trail, request, roster, _stranger, opened=False)}
        return [{**row, "message": min(row["message"], searched.get(row["user"], row["message"]))} for row in rows]

    def all_searched(trail, request, roster):
        rows = _looks(trail, request, roster, _stranger)
        searched = {row["user"]: row["message"] for row in _looks(trail, request, roster, _stranger, opened=False)}
        return [{**row, "how": "listed", "message": searched[row["user"]]} if row["user"] in searched else row for row in rows]

    def number_of_messages(trail, request, roster):
        return _looks(trail, request, roster, _stranger, evidence=len)

    wrong_ways = {
        openings_only: "You have those who opened her images. Somebody else had her in a list: a search by name shows name, birth date "
        "and exams of everybody whom its key fits. `patient` is empty in such a message; look at `search`.",
        everybody: "You name everybody who looked, the technologist who made the exam and the radiologist who read it among them. They "
        "have a care relation: naming them is a false accusation.",
        all_accounts: "You name every account that the roster knows, service accounts and those who made and read the exam among them. A "
        "service account is no person, and imaging units have a care relation.",
        service_accounts_too: "You name a service account. Behind `svc_router`, the router's account, stands a rule and no person: "
        "it opens studies at night that the rule says will be needed.",
        last_message: "The right people, but with their last messages. The first one proves since when.",
        search_as_evidence: "For those who opened the images you name the search before it. It is evidence for the list only: the opening "
        "is another message." + _INDEX,
        all_searched: "You call `listed` who searched by her name. Those who opened the images afterwards have `opened`: the graver of "
        "the two, with its own message.",
        number_of_messages: "Your `message` counts messages. The number of *one* message is asked, the first: whoever doubts it can open "
        "just that.",
    }
    hints = [
        "Put roster and trail together: `people = trail.merge(roster, on=\"user\")`. Then keep `kind` person and units that are not in "
        "`imaging`. (And does `visits` have a row for her?)",
        "Openings: event 110103 with her number in `patient`. Searches: event 110112; her number does not stand in it, only what was "
        "typed, in `search`.",
        "Which keys fit her name? Her family name and a star; and shorter beginnings of it, down to one letter with a star. Look at all "
        "searches by people without a relation: `people[people.search.str.contains(\"PatientName\", na=False)]`.",
        "Go through them, `for row in people.itertuples():`, and write down the first number of each user; or look at the few rows that "
        "are left, and write the answer by hand.",
    ]


@lesson.input
def imaging(hospital):
    """The imaging units: a list of text."""
    return list(IMAGING)


# --- part 4: can the trail be trusted?

@lesson.input
def transfers(hospital):
    """Transfers that both ends reported: a DataFrame with sender, study, sender_says (when it began to send, by its clock) and archive_says
    (when the archive had stored it, by the archive's), both in UTC."""
    import pandas as pd
    began, stored = {}, {}
    for one in lesson.input_of("read_trail", hospital):
        if not one.study or not one.user:
            continue
        if one.event == BEGUN:
            began.setdefault((one.study, one.user), []).append(one)
        elif one.event == TRANSFERRED and one.source == "HV_PACS":
            stored.setdefault((one.study, one.user), []).append(one)
    rows = [(one.source, one.study, one.utc, other.utc) for what, some in began.items() if len(some) == len(stored.get(what, ()))
            for one, other in zip(some, stored[what], strict=True)]
    frame = pd.DataFrame(sorted(rows, key=lambda row: row[3]), columns=["sender", "study", "sender_says", "archive_says"])
    for name in ("sender_says", "archive_says"):
        frame[name] = pd.to_datetime(frame[name])
    return frame


def _holes(trail):
    """Holes in the numbering: a list of (source, utc of the message before and after, how many are missing); a restart is none."""
    last, found = {}, []
    for one in trail:
        before = last.get(one.source)
        if before is not None and one.sequence > before.sequence + 1:
            found.append((one.source, before.utc, one.utc, one.sequence - before.sequence - 1))
        last[one.source] = one
    return found


def _minute(value):
    """'2025-03-22 02:09' of a time as `_moment` reads it."""
    try:
        return _moment(value)[:16]
    except ValueError:
        raise ValueError("write the time with its day, as `2025-03-30 01:41`") from None


def _told_of_a_minute(given, right):
    """A sentence on a wrong minute."""
    apart = (datetime.fromisoformat(given) - datetime.fromisoformat(right)).total_seconds() / 60
    if abs(apart) == 1:
        return "One minute off: give the minute in which the last message before the hole was sent, and leave its seconds out."
    if given.endswith("00:00"):
        return "Asked is the time of day as well, as `2025-03-30 01:41`."
    return "That is another moment than that of the last message before the hole."


def _system(value):
    """The name of a system, whatever parts its words."""
    if type(value) is not str:
        raise ValueError("write the name of a system, in quotation marks")
    return re.sub(r"[\s_\-]+", "", value.strip("'\"` ")).upper()


_DAY_BY_DAY = "Look at the difference day by day first: it is some seconds below zero, then from one day on a large one. Take the days " \
    "after that alone."


def _told_of_trust(name, given, right, input_of):
    if name == "source":
        known = {_system(one) for one in input_of("trail").source.unique()}
        return "That source's numbers nowhere jump up by more than one: of its messages none is missing." if given in known else \
            "`trail.source` has no such name. Write it as it stands there."
    if name == "clock" and given not in {_system(one) for one in input_of("transfers").sender.unique()}:
        return "`transfers.sender` has no such name. Write it as it stands there."
    if name == "lost" and given[0] < 0:
        return "Fewer than none can't be missing. A number that falls is a restart; a hole is a jump up."
    if name == "lost" and abs(given[0] - right[0]) <= 2:
        return "Nearly. If 7 is followed by 10, which numbers are missing, and how many are they?"
    if name == "clock":
        return "In `transfers` that system does what it does all the month long. Whose difference is another from some day on?"
    if name == "ahead" and abs(given[0] + right[0]) <= 30:
        return "The amount is right, the sign is not: a clock that shows a later time than the right one is *ahead*."
    if name == "ahead" and any(abs(given[0] * unit - right[0]) <= apart for unit, apart in ((60, 60), (3600, 200))):
        return "Asked are seconds. If yours is in another unit, write that behind it, as `\"1.5 min\"`."
    if name == "ahead" and -120 < given[0] <= 0:
        return "That is how long sending takes while the clock is right. A median of the whole month shows that alone, where most of its " \
            "days were good. " + _DAY_BY_DAY
    if name == "ahead":
        return "That is another number. Take transfers of this sender and of these two weeks alone: how many seconds later than " \
            "`archive_says` is `sender_says` there?"
    return None


@lesson.exercise
class CanItBeTrusted:
    """Before you say *nobody else looked*: does the trail have a hole, and do the clocks agree? From `trail` and `transfers`:

    - `source`: the system of which messages are missing;
    - `after`: the time (UTC, to the minute) of its last message before the hole;
    - `lost`: how many messages are missing there, by their numbers;
    - `clock`: the system whose clock was wrong for the last two weeks;
    - `ahead`: by how many seconds it then ran ahead of the archive's clock. Half a minute more or less does not matter, since sending takes
      some seconds too.
    """

    answer = Fields("trust", {"source": Text(reading=_system), "after": Text(reading=_minute, remark=_told_of_a_minute), "lost": Number(),
                              "clock": Text(reading=_system), "ahead": Number(unit="s", tolerance=30)}, remark=_told_of_trust)
    points = 3
    praise = "So the answer to the colleague gets a second sentence: for an hour and a half of 22 March the archive's messages are " \
        "missing, and nobody can say what happened in it. That is honest, and it is what an auditor asks first. (And what was lost " \
        "right before a restart, when the numbers begin anew, would not show at all.)"

    def solution(trail, transfers):
        for source, rows in trail.groupby("source"):
            step = rows.sequence.diff()
            if step.max() > 1:
                place = step.idxmax()                            # the first row after the hole
                before = rows.loc[:place].iloc[-2]               # the row before it
                hole = {"source": source, "after": str(before.utc), "lost": int(step[place]) - 1}

        both = transfers.copy()
        both["ahead"] = (both.sender_says - both.archive_says).dt.total_seconds()
        late = both[both.archive_says >= "2025-03-26"]
        hole["clock"] = late.groupby("sender").ahead.median().idxmax()

        late = late[late.sender == hole["clock"]]
        good = both[(both.sender == hole["clock"]) & (both.archive_says < "2025-03-24")]
        hole["ahead"] = float(late.ahead.median() - good.ahead.median())         # what sending itself takes is in both
        return hole

    def _right(trail, transfers, **other):
        return {**CanItBeTrusted.solution(trail, transfers), **other}

    def longest_silence(trail, transfers):
        quiet = {source: rows.utc.diff().max() for source, rows in trail.groupby("source") if len(rows) > 1}
        source = max(quiet, key=quiet.get)
        rows = trail[trail.source == source]
        place = rows.utc.diff().idxmax()
        return CanItBeTrusted._right(trail, transfers, source=source, after=str(rows.utc.shift()[place]))

    def restarts_are_holes(trail, transfers):
        rows = trail[trail.source == "HV_ROUTER"]
        place = rows.sequence.diff().idxmin()
        return CanItBeTrusted._right(trail, transfers, source="HV_ROUTER", after=str(rows.utc.shift()[place]),
                                     lost=int(abs(rows.sequence.diff()[place])))

    def hour_of_the_clock_change(trail, transfers):
        rows = trail[(trail.source == "HV_PACS") & (trail.utc < "2025-03-30 01:00:00")]
        return CanItBeTrusted._right(trail, transfers, after=str(rows.utc.iloc[-1]))

    def wall_clock(trail, transfers):
        right = CanItBeTrusted._right(trail, transfers)
        at = local(clock.seconds(right["after"][:19]))
        return {**right, "after": clock.text([at])[0]}

    def the_message_after(trail, transfers):
        rows = trail[trail.source == "HV_PACS"]
        missing = rows.sequence.diff() - 1
        return CanItBeTrusted._right(trail, transfers, after=str(rows.utc[missing.idxmax()]))

    def one_too_many(trail, transfers):
        right = CanItBeTrusted._right(trail, transfers)
        return {**right, "lost": right["lost"] + 1}

    def scanner_of_the_night(trail, transfers):
        return CanItBeTrusted._right(trail, transfers, clock="CTER01")

    def whole_month(trail, transfers):
        rows = transfers[transfers.sender == "HV_ROUTER"]
        ahead = (rows.sender_says - rows.archive_says).dt.total_seconds()
        return CanItBeTrusted._right(trail, transfers, ahead=float(ahead.mean()))

    def slowest_sender(trail, transfers):
        medians = (transfers.archive_says - transfers.sender_says).dt.total_seconds().groupby(transfers.sender).median()
        return CanItBeTrusted._right(trail, transfers, clock=medians.idxmax())

    wrong_ways = {
        longest_silence: "You look for the longest silence. A scanner is silent for days when nobody uses it; and a busy archive can lose "
        "a hundred messages within minutes. The numbers tell what is *missing*, not what is quiet.",
        restarts_are_holes: "There the numbers begin again at 1: the process was started anew, and said so itself (110120, Application "
        "Start). RFC 5424 7.3.1 wants it so. A number that goes *down* is a restart; a hole is a jump *up*.",
        hour_of_the_clock_change: "That is the hour that the wall clock leaves out, on 30 March at 02:00. In UTC there is no such hour: "
        "the numbers go on without a gap.",
        wall_clock: "That is the time on the wall. Asked is UTC, as `trail.utc` has it.",
        the_message_after: "That is the first message after the hole. Asked is the last one *before* it: from there on nothing is proven.",
        one_too_many: "That is the difference of the two numbers. From 7 to 10 the difference is 3, and two are missing.",
        scanner_of_the_night: "The scanner's wall clock was an hour off in the night of Case 17, but its messages carry the offset that "
        "it really used: the *moment* is right, and in `transfers` it began to send some seconds before the archive had stored.",
        whole_month: "That is the mean of the whole month, the days before the clock went wrong included. " + _DAY_BY_DAY,
        slowest_sender: "That system sends for longer than others, long series. It began before the archive had stored, as it must be. A "
        "clock is proven wrong where something is stored *before* it was sent.",
    }
    hints = [
        "Numbers: for one source, `rows = trail[trail.source == \"MR1\"]`, then `rows.sequence.diff()` is the step from each message to "
        "the next. What should it be?",
        "Which sources have a step of more than 1? `for source, rows in trail.groupby(\"source\"): print(source, "
        "rows.sequence.diff().max())`. The row of the jump is `rows.sequence.diff().idxmax()`, and `trail.loc[...]` shows it; the message "
        "before it is the row above in `rows`.",
        "Clocks: make a column, `transfers[\"ahead\"] = (transfers.sender_says - transfers.archive_says).dt.total_seconds()`. Nothing is "
        "stored before it was sent, so it should be below zero. Whose is above, and when: `transfers[transfers.ahead > 0]`?",
        "A median of the whole month may be of the good days or of the bad ones: take the days from 26 March on, `late = "
        "transfers[transfers.archive_says >= \"2025-03-26\"]`, and `late.groupby(\"sender\").ahead.median()`.",
    ]


# --- part 5: the month's review

class Case(NamedTuple):
    """What one account did on one day, for the review. `truth`: id of the incident of it, "" when there is none to blame."""

    user: str
    day: str
    message: int
    signals: frozenset
    truth: str


SIGNALS = {
    "night": "at work between 22:00 and 06:00 by the wall clock",
    "off_shift": "more than an hour outside any shift of theirs",
    "many_opened": "opened studies fifteen times or more",
    "listed_person": "opened a study of somebody on the list of employees and persons of public interest",
    "same_name": "opened or read about a patient with their own family name",
    "failed_login": "a login failed",
    "override": "used the emergency override",
    "exported": "exported a study to a disc",
    "service": "is a service account",
    "no_relation": "opened a patient's images or record, by the number on the images, without a care relation (which a service account "
    "never has)",
    "wrong_number": "each look without a relation was at images under a wrong number or without their order; since the correction there is "
    "one",
    "trauma_call": "each look without a relation was at images of a patient of the Emergency department, within two hours of their arrival",
    "left": "the account belongs to somebody who has left",
    "two_sites": "logged in at two sites within ten minutes",
    "burst": "ten failed logins within two minutes, then one that worked",
    "mass_export": "exported twenty studies or more",
    "alphabet": "searched ten times or more by a single letter and a star",
    "log_and_hole": "read the audit log, and within the hour messages of a source are missing",
}
# What the incidents of the trail are called in what is said of them; those that need action today first.
URGENT = {"B1-02-1": "an account of somebody who has left", "B1-05-1": "an export of dozens of studies",
          "B1-06-1": "an account whose password was guessed"}
BLAMED = {
    **URGENT, "B1-01-1": "a colleague's curiosity", "B1-01-2": "a nurse's curiosity",
    "B1-01-3": "curiosity about a person of public interest", "B1-01-4": "curiosity about a neighbour",
    "B1-03-1": "a login shared by two sites", "B1-04-1": "an override without a patient to treat",
    "B1-07-1": "fishing through the alphabet", "B1-08-1": "a hole after somebody had read the log",
}


def _seconds(utc):
    """Seconds since 1970 of UTC text: for one text, several times as fast as ``clock.seconds``."""
    return int(datetime.fromisoformat(utc + "+00:00").timestamp())


def _day_of(utc):
    """The day of the review, which begins at 06:00, in days since 1970, and the wall clock in seconds since then, of UTC text."""
    seconds = local(_seconds(utc))
    return (seconds - 6 * HOUR) // DAY, seconds


class _Review:
    """Makes the cases of one hospital."""

    def __init__(self, hospital):
        self.h, self.staff = hospital, hospital.staff
        self.trail = lesson.input_of("read_trail", hospital)
        self.kinds = {user.user_id: user for user in self.staff.users}
        self.lists = {one.patient_id for kind in ("employee", "VIP") for one in self.staff.related(kind)}
        self._identify()

    def _identify(self):
        """Which number belongs to whom once all is corrected, who had which patient, who ordered which study."""
        h, truth = self.h, self.h.truth
        pid_of = dict(h.pacs.rows("SELECT pk, pid FROM patient")[1])
        case = truth["case_17"]
        moved = {**truth["typed_for"], case["temporary_patient_pk"]: case["patient_pk"], case["typed_patient_pk"]: case["patient_pk"]}
        moved.update(h.pacs.rows("SELECT pk, merged_into FROM patient WHERE merged_into IS NOT NULL")[1])
        self.really = {pid_of[pk]: pid_of[other] for pk, other in moved.items()}
        examined = dict(zip(truth["study_person"]["study_pk"], truth["study_person"]["patient_pk"], strict=True))
        uid_of = dict(h.pacs.rows("SELECT study_uid, pk FROM study")[1])
        self.person_of_study = {one.uid: self._person(pid_of[examined[uid_of[one.uid]]]) for one in h.audit.studies
                                if uid_of[one.uid] in examined}
        self.had, self.created, self.urgent = {}, {}, set()
        # By what the archive holds, and by what is known since the corrections.
        self.ordered = dict(h.pacs.rows(
            "SELECT s.study_uid, v.location FROM study s JOIN orders o ON o.accession = s.accession AND o.patient_pk = s.patient_pk "
            "JOIN visit v ON v.pk = o.visit_pk")[1])
        self.ordered_really = {}
        for visit in h.audit.visits.values():
            self.had.setdefault(visit.pid, []).append((visit.location, visit.begins - DAY, visit.ends + 8 * DAY))
            self.had.setdefault(self._person(visit.pid), []).append((visit.location, visit.begins - DAY, visit.ends + 8 * DAY))
        for study in h.audit.studies:
            self.created[study.uid] = study.created
            visit = h.audit.visits.get(study.visit)
            if visit:
                self.ordered_really[study.uid] = visit.location
                if visit.location == "Emergency":
                    self.urgent.add(study.uid)

    def _person(self, pid):
        return self.really.get(pid, pid)

    def _related(self, unit, pid, uid, at, ordered):
        return (unit in IMAGING or ordered.get(uid) == unit
                or any(place == unit and begins <= at <= ends for place, begins, ends in self.had.get(pid, ())))

    def cases(self):
        """The cases, by their first message."""
        h = self.h
        truth_of = {event.number: event.incident for event in h.audit.events if event.incident in BLAMED}
        days, held = {}, {}
        for one in self.trail:
            if one.user not in self.kinds or one.event == "110113" and one.type != OVERRIDE:
                continue
            day, at = days[one.utc] = days.get(one.utc) or _day_of(one.utc)
            held.setdefault((one.user, day), []).append((at, one))
        self.holes = [(clock.seconds(before) - HOUR, clock.seconds(after)) for _, before, after, _ in _holes(self.trail)]
        moved = {(one["user"], _day_of(one["begin"])[0]) for one, _ in _elsewhere(_sessions(lesson.input_of("logins", h)))}
        found = []
        for (user, day), some in held.items():
            signals = self._signals(self.kinds[user], some)
            if (user, day) in moved:
                signals.add("two_sites")
            blame = next((truth_of[one.number] for _, one in some
                          if one.number in truth_of and one.type != LOGOUT), "")
            found.append(Case(user, day, some[0][1].number, frozenset(signals), blame))
        return sorted(found, key=lambda case: case.message)

    def _signals(self, user, some):
        """The names of the signals that hold of one account's day; `some` are (wall clock seconds, Entry)."""
        found, opened, exported, letters, failed = set(), 0, 0, 0, []
        excuses, looks = [], 0
        family = names.search_form(user.name).split("^")[0]
        for at, one in some:
            if not 6 * HOUR <= at % DAY < 22 * HOUR:
                found.add("night")
            if user.kind == "person" and not self._on_shift(user, at):
                found.add("off_shift")
            exported += one.event == EXPORTED
            if one.event == AUTHENTICATED and one.type == LOGIN:
                if one.outcome != "0":
                    failed.append(at)
                elif sum(at - 120 <= moment for moment in failed) >= 10:
                    found.add("burst")
            if one.type == OVERRIDE:
                found.add("override")
            if one.event == LOG_USED and any(begins <= _seconds(one.utc) <= ends for begins, ends in self.holes):
                found.add("log_and_hole")
            key = _searched_name(one.search)
            letters += key is not None and len(key) == 2 and key.endswith("*")
            if one.event not in (OPENED, RECORD) or one.source not in ("HV_PACS", "EMR") or not one.patient:
                continue
            opened += one.event == OPENED
            if one.patient in self.lists and one.event == OPENED:
                found.add("listed_person")
            if self._family(one.patient) == family:
                found.add("same_name")
            if user.kind == "service":
                found.add("no_relation")
            elif user.kind == "person" and not self._related(user.unit, one.patient, one.study, _seconds(one.utc), self.ordered):
                looks += 1
                excuses.append(self._excuse(user, one))
        if looks:
            found.add("no_relation")
            if None not in excuses:
                found |= set(excuses)
        for name, holds in (("service", user.kind == "service"), ("many_opened", opened >= 15), ("exported", exported),
                            ("mass_export", exported >= 20), ("alphabet", letters >= 10), ("failed_login", failed), ("left", user.left)):
            if holds:
                found.add(name)
        return found

    def _excuse(self, user, one):
        at = _seconds(one.utc)
        person = self.person_of_study.get(one.study, self._person(one.patient))
        if self._related(user.unit, person, one.study, at, self.ordered_really):
            return "wrong_number"
        if one.study in self.urgent and self.created[one.study] - 600 <= at <= self.created[one.study] + 2 * HOUR:
            return "trauma_call"
        return None

    @functools.cached_property
    def _names(self):
        return {pid: names.search_form(name).split("^")[0] for pid, name in self.h.pacs.rows("SELECT pid, name FROM patient")[1]}

    def _family(self, pid):
        return self._names.get(pid)

    def _on_shift(self, user, at):
        for day in (at // DAY - 1, at // DAY):
            shift = self.staff.shift_of(user, day)
            if shift and shift[0] - HOUR <= at <= shift[1] + HOUR:
                return True
        return False


@lesson.input
def signals(hospital):
    """What each signal means: a DataFrame with signal and meaning."""
    import pandas as pd
    return pd.DataFrame(list(SIGNALS.items()), columns=["signal", "meaning"])


@lesson.input
def judged_cases(hospital):
    """The cases of the month: a list of Case."""
    return _Review(hospital).cases()


@lesson.input
def cases(hospital):
    """The month's cases without names: a DataFrame with case, a column for each signal, and what the officer found after all talks."""
    import pandas as pd
    rows = [[f"C{number:04d}", *(name in case.signals for name in SIGNALS), "violation" if case.truth else "nothing"]
            for number, case in enumerate(lesson.input_of("judged_cases", hospital), 1)]
    return pd.DataFrame(rows, columns=["case", *SIGNALS, "found"])


@lesson.input
def review(hospital):
    """The review of this hospital's month."""
    return Review(lesson.input_of("judged_cases", hospital))


def _is_number(value):
    """Whether it is a number, of Python's or numpy's, and no truth value."""
    return isinstance(value, numbers.Real) and type(value).__name__ not in ("bool", "bool_")


def policy_of(value):
    """(points by signal, the least that is reported). Raises ValueError with a sentence."""
    if type(value) is not dict or set(value) != {"points", "report_from"}:
        raise ValueError("a policy is a dictionary with the entries `points` and `report_from`")
    points, least = value["points"], value["report_from"]
    if type(points) is not dict:
        raise ValueError("`points` is a dictionary from signals to numbers")
    for name, number in points.items():
        if name not in SIGNALS:
            raise ValueError(f"there is no signal {name!r}")
        if number is Ellipsis:
            raise ValueError(f"the points of {name} are still open")
        if not _is_number(number) or number != number:
            raise ValueError(f"the points of {name} are no number (a number has no quotation marks)")
        if abs(number) > 1000:
            raise ValueError(f"the points of {name} are not within -1000 and 1000")
    if not _is_number(least) or not 0 < least <= 10_000:
        raise ValueError("`report_from` is a number above 0: a case without points is nobody's business")
    return {"points": points, "least": least}


# What needs action by itself: what it is called, and the signals that come with it.
GRAVE = {"left": ("the account of somebody who has left is used", ()), "burst": ("a password is guessed", ("failed_login",)),
         "mass_export": ("dozens of studies are exported", ("exported",))}
# What explains a missing care relation.
EXCUSES = ("service", "wrong_number", "trauma_call")
# What many an innocent case has: none of these is a reason by itself, nor are several of them.
HARMLESS = ("night", "off_shift", "many_opened", "listed_person", "same_name", "failed_login", "override", "exported")


def _hidden(points, least):
    """What needs action and is not reported because of other signals of that account: a list of [what, those signals]."""
    found = []
    for name, (what, along) in GRAVE.items():
        own = sum(points.get(one, 0) for one in (name, *along))
        own_ones = (name, *along, *(["service"] if name == "left" else []))              # who leaves is a person
        speaking = sorted((one for one in SIGNALS if points.get(one, 0) < 0 and one not in own_ones), key=lambda one: points[one])
        alone = [[what, [one]] for one in speaking if own + points[one] < least]
        if own < least:
            found.append([what, []])
        elif alone:
            found += alone
        else:
            few = next((count for count in range(2, len(speaking) + 1) if own + sum(points[one] for one in speaking[:count]) < least), None)
            found += [[what, speaking[:few]]] if few else []
    return found


def _crowd(points, least):
    """Signals of a day of somebody innocent that would be reported: harmless ones together, or a look that is excused beside them."""
    counted = [one for one in HARMLESS if points.get(one, 0) > 0]
    for excused in ([], *(["no_relation", one] for one in EXCUSES)):
        if counted and sum(points.get(one, 0) for one in counted + excused) >= least:
            return counted + excused
    return []


def _outdone(points):
    """(what needs action in words, its points, the points of all else together) where these reach it, or None."""
    others = sum(number for name, number in points.items() if number > 0 and name not in GRAVE)
    for name, (what, along) in GRAVE.items():
        own = sum(points.get(one, 0) for one in (name, *along))
        if own <= others:
            return what, own, others
    return None


def reviewed(policy, some):
    """What comes of a policy on a list of Case: a dict.

    reported, accused : how many cases are reported, and how many of these are innocent
    missed   : ids of the incidents that were not reported
    innocent : of the innocent ones, [signals, how many], the most frequent first
    before   : the id of an urgent incident that does not stand before all others, or ""
    hidden   : what needs action at once and would not be reported: [what in words, the other signals that hide it]
    crowd    : signals of somebody innocent, harmless by themselves, that together would be reported
    outdone  : (what needs action in words, its points, those of all other signals together) where a sum could reach it, or None
    """
    found, innocent = {}, {}
    accused = 0
    for case in some:
        points = sum(policy["points"].get(name, 0) for name in case.signals)
        if points < policy["least"]:
            continue
        if case.truth:
            found[case.truth] = max(points, found.get(case.truth, points))
        else:
            accused += 1
            key = ", ".join(name for name in SIGNALS if name in case.signals)
            innocent[key] = innocent.get(key, 0) + 1
    missed = [one for one in BLAMED if one not in found]
    others = max((points for one, points in found.items() if one not in URGENT), default=0)
    before = next((one for one in URGENT if one in found and found[one] <= others), "")
    return {"reported": accused + len(found), "accused": accused, "missed": missed,
            "innocent": sorted(([key, count] for key, count in innocent.items()), key=lambda one: (-one[1], one[0])), "before": before,
            "hidden": _hidden(policy["points"], policy["least"]), "crowd": _crowd(policy["points"], policy["least"]),
            "outdone": _outdone(policy["points"])}


class Review:
    """The review of a month: tries policies and says what would have come of them."""

    def __init__(self, some):
        self._cases = some

    def __repr__(self):
        return f"<review of {len(self._cases)} cases; try_out(policy)>"

    def try_out(self, policy):
        """Print what comes of a policy. It prints, so that it tells in the middle of a cell as well."""
        try:
            print(Tried(reviewed(policy_of(policy), self._cases)))
        except ValueError as problem:
            raise CourseError(f"The review does not take this policy: {problem}.") from None


class Tried:
    """What came of a policy. `outcome` holds the numbers."""

    def __init__(self, outcome):
        self.outcome = outcome

    def __str__(self):
        return "\n".join(textwrap.fill(line, 100, subsequent_indent="    ") for line in self._lines())

    def _lines(self):
        out = self.outcome
        lines = [f"reported  {out['reported']:4d} cases", f"accused   {out['accused']:4d} of them are innocent",
                 f"missed    {len(out['missed']):4d} of {len(BLAMED)} violations"]
        if out["innocent"]:
            lines.append("innocent, most often: " + "; ".join(f"{key} ({count})" for key, count in out["innocent"][:3]))
        if out["missed"]:
            lines.append("missed: " + "; ".join(BLAMED[one] for one in out["missed"]))
        urgent = any(one in URGENT for one in out["missed"])
        if out["before"]:
            lines.append(f"not at the top: {URGENT[out['before']]}")
        elif out["outdone"] and not urgent:
            lines.append(f"and next month: {_told_of_outdone(*out['outdone'])}")
        if out["crowd"] and not out["accused"]:
            lines.append(f"and if next month somebody innocent has {', '.join(out['crowd'])}: reported")
        if out["hidden"] and not urgent:
            lines.append(f"and if next month {_told_of_hidden(*out['hidden'][0])}: not reported")
        return lines


def _told_of_hidden(what, beside):
    return f"{what}, and the account also has {' and '.join(beside)}" if beside else f"{what}, and nothing else happens"


def _told_of_outdone(what, own, others):
    return f"{what} ({own:g} points), and a case that has all other signals stands before it ({others:g})"


class _Policy(Config):
    """Settings of the review. The cases of a hospital are made before the policy is timed: in a fresh kernel that takes seconds."""

    def judge(self, exercise, given, editions):
        """As every Config."""
        for hospital in editions.all():
            lesson.input_of("judged_cases", hospital)
        return super().judge(exercise, given, editions)


@lesson.exercise
class Policy:
    """Write the policy of the monthly review: a dictionary with

    - `points`: signals of the table above, each with a number from -1000 to 1000; one that counts in somebody's favour may have a number
      below zero, one that you leave out has none;
    - `report_from`: a case whose points add up to so many or more is reported to the privacy officer, the highest first.

    It is good enough when

    1. **nobody innocent** is reported: a false accusation is not made good by anything;
    2. **at most one** of the eleven violations is missed, and none that needs action today (an account of somebody who has left, a guessed
       password, an export of dozens of studies);
    3. these three stand **before all others** in the report: with no excuse beside it, each has more points than all other signals
       together (those of the other two left out);
    4. and **nothing excuses them**: whatever other signals that account has on that day, they are still reported, if perhaps further down.

    Rules 1, 3 and 4 hold for months to come too. So the check also tries days that no month has had yet (a grave signal with all that
    speaks for the account; somebody innocent with several signals that innocent cases have, such as a night and a disc, with an excuse or
    without) and months of other hospitals. `review.try_out(policy)` tells you where you are with your month.
    """

    answer = _Policy("policy", reading=policy_of, called="a policy", shape="a dictionary",
                    template='policy = {\n    "points": {\n        "left": ...,\n    },\n    "report_from": ...,\n}')
    points = 4
    praise = "That policy can be shown to the works council: what is counted, what excuses, who is asked first. And whoever is reported " \
        "by it has questions to answer that the trail itself raises."

    def solution():
        return {
            "points": {
                "no_relation": 10, "two_sites": 10, "alphabet": 10, "log_and_hole": 10,
                "left": 100, "burst": 100, "mass_export": 100,
                "service": -10, "wrong_number": -10, "trauma_call": -10,
            },
            "report_from": 10,
        }

    def _with(drop=(), least=10, **change):
        right = Policy.solution()
        points = {name: number for name, number in {**right["points"], **change}.items() if name not in drop}
        return {"points": points, "report_from": least}

    def night_is_guilty():
        return {"points": {"night": 1}, "report_from": 1}

    def night_counts_too():
        return Policy._with(night=10)

    def outside_the_shift():
        return Policy._with(off_shift=10)

    def same_name_is_guilty():
        return Policy._with(same_name=10)

    def known_people():
        return Policy._with(listed_person=10)

    def much_work():
        return Policy._with(many_opened=10)

    def override_is_abuse():
        return Policy._with(override=20)

    def mistyped_passwords():
        return Policy._with(failed_login=10)

    def machines_accused():
        return Policy._with(drop=("service",))

    def the_repaired_ones():
        return Policy._with(drop=("wrong_number",))

    def the_trauma_team():
        return Policy._with(drop=("trauma_call",))

    def snooping_alone():
        return Policy._with(drop=("two_sites", "alphabet", "log_and_hole", "left", "burst", "mass_export"))

    def accounts_alone():
        return Policy._with(drop=("no_relation", "service", "wrong_number", "trauma_call"))

    def all_the_same():
        return {"points": {name: 10 if number > 0 else number for name, number in Policy.solution()["points"].items()}, "report_from": 10}

    def a_point_for_each():
        return {"points": {name: 1 for name in SIGNALS if name not in EXCUSES}, "report_from": 3}

    def excuses_for_everything():
        return Policy._with(service=-1000, wrong_number=-1000, trauma_call=-1000)

    def never_mind():
        return Policy._with(least=1000)

    wrong_ways = {
        night_is_guilty: "You report whoever works at night: nurses, physicians and technologists on their shifts, hundreds of cases. "
        "After hours is no suspicion in a house that never closes.",
        night_counts_too: "To good signals you add the night, and with it everybody on a night shift. Count among the innocent how many "
        "have a signal before you give it points.",
        outside_the_shift: "You report whoever is at work outside the roster: colleagues who stayed longer, or stood in. That may be "
        "asked of payroll; it is no violation of anybody's privacy.",
        same_name_is_guilty: "You report whoever has a patient of the same family name. In a region with few names that is an everyday "
        "thing: look whether there is a care relation instead.",
        known_people: "You report whoever opened images of an employee or of a person of public interest. Somebody has to make and read "
        "their exams. Being known is no signal against those who treat.",
        much_work: "You report whoever opened many studies: radiologists who read their list. Many accesses are a measure of work.",
        override_is_abuse: "You report an override that had its reason: a patient without a number, unconscious, at night. It was Case 17, "
        "the study that the associate put right later. The button is there to be used; what counts is whether there was a patient to "
        "treat.",
        mistyped_passwords: "You report mistyped passwords. Six in a hundred logins of this hospital fail; ten failures within two minutes "
        "are another thing.",
        machines_accused: "You report service accounts. They have no unit, so none of their accesses has a care relation: the rule behind "
        "them has its reasons, not they.",
        the_repaired_ones: "You report people who treated the patient, but whose images lay under a wrong number or without their order at "
        "that time. They are the studies that the associate has put right since: there is a signal for that, and it speaks for these "
        "people.",
        the_trauma_team: "You report the intensive care physician who came down when an emergency's images arrived. Her own ward never "
        "had the patient; a signal speaks for her.",
        snooping_alone: "Your policy finds who looked at patients of others, and misses who misuses an account: a guessed password, a "
        "login at two sites, a mass export have no *patient* that is none of their business.",
        accounts_alone: "Your policy finds misused accounts, and misses those who look up colleagues and neighbours with their own "
        "account, on their own shift, from their own computer. What gives them away is the missing care relation.",
        all_the_same: "All violations are found, and nobody else, but they stand in no order. A guessed password is open at this moment; "
        "it can't wait behind a neighbour's curiosity.",
        a_point_for_each: "A point for each signal, and a sum: so three harmless things (night, a mistyped password, a long day) make a "
        "suspect, and one grave thing alone does not. What is grave by itself needs enough points by itself.",
        excuses_for_everything: "An excuse counts for so much that it hides everything: a service account that exports the "
        "archive, a guessed password of somebody whose patient had a wrong number that day. An excuse explains a missing "
        "care relation; it has to outweigh those points, and no more.",
        never_mind: "Nothing is reported. That accuses nobody, and leaves a guessed password in use.",
    }
    hints = [
        "Count first: `cases.groupby(\"found\").sum(numeric_only=True).T` shows for each signal how many innocent cases and how many "
        "violations have it. What many innocent cases have is no reason to report anybody.",
        "Begin with signals that no innocent case has at all. Try it out: what is missed?",
        "The rest of the violations have `no_relation`, and so have some innocent cases. Which signals do these innocent cases have "
        "besides, `try_out` says: some count in somebody's favour, and may have points below zero.",
        "Points of an excuse must outweigh those of `no_relation`, and all of them together must not outweigh what needs action today. "
        "For the order: add up all other points above zero; each of those three needs more than that.",
    ]

    def trial(settings, hospital):
        return reviewed(settings, lesson.input_of("judged_cases", hospital))

    def faults(outcome):
        found = []
        if outcome["accused"]:
            key, count = outcome["innocent"][0]
            said = f"the signals {key}" if "," in key else f"the signal {key}"
            cases_ = "case is" if outcome["accused"] == 1 else "cases are"
            found.append(f"{outcome['accused']} innocent {cases_} reported. Most often ({count}) with {said}.")
        urgent = [URGENT[one] for one in outcome["missed"] if one in URGENT]
        if urgent:
            found.append(f"Missed, though it needs action today: {urgent[0]}.")
        elif len(outcome["missed"]) > 1:
            found.append(f"{len(outcome['missed'])} of {len(BLAMED)} violations are missed, {BLAMED[outcome['missed'][0]]} among them.")
        if outcome["before"]:
            found.append(f"Not before all others in the report: {URGENT[outcome['before']]}. What shows it by itself has to weigh more "
                         "than whatever another case adds up to.")
        elif outcome["outdone"]:
            found.append(f"What no month has had yet: {_told_of_outdone(*outcome['outdone'])}. What needs action by itself has to weigh "
                         "more than whatever another case adds up to.")
        if outcome["crowd"] and not outcome["accused"]:
            found.append(f"A day that no month has had yet: somebody innocent has {', '.join(outcome['crowd'])}. It would be reported. " + (
                "An excuse has to outweigh the missing relation with whatever harmless signals stand beside it."
                if "no_relation" in outcome["crowd"] else
                "What innocent people have every day is no reason, nor are several of such things."))
        if outcome["hidden"]:
            what, beside = outcome["hidden"][0]
            found.append(f"A day that no month has had yet: {_told_of_hidden(what, beside)}. It would not be reported, " + (
                "because that outweighs it. An excuse explains a missing care relation, nothing else." if beside else
                "though that alone needs action."))
        return found


# --- part 6: a message of one's own

_CORRECTED_LOCAL = "2025-04-07 07:12:30"


@lesson.input
def correction(hospital):
    """What happened when the study of Case 17 was put right: a dict."""
    case, staff = hospital.truth["case_17"], hospital.staff
    admin = staff.group("Imaging IT", "PACS administrator")[1]
    return {"user": admin.user_id + DOMAIN, "name": admin.name.replace("^", ", "), "host": staff.host(admin),
            "wall_clock": _CORRECTED_LOCAL, "study_uid": case["study_uid"], "accession": case["accession"],
            "patient_id": case["patient_id"],
            "patient_name": case["patient_name"], "wrong_id": case["typed_id"], "wrong_name": case["typed_name"],
            "planned_uid": case["planned_study_uid"]}


def parts_of(given):
    """The parts of an audit message that matter here, by name. Raises ValueError with a sentence when it breaks the schema."""
    text = _xml_of(given).strip().lstrip(audit.BOM)
    if re.match(r"(\d+ )?<\d+>1 ", text):
        raise ValueError("before the XML stands the header of a syslog message. Asked is the audit message alone, from `<AuditMessage` on")
    text = re.sub(r"^<\?xml.*?\?>\s*", "", text)
    found = audit.problems(text)
    if found:
        raise ValueError(f"this is no message of the schema: {found[0]}")
    root = audit.tree(text)
    _refuse_plain_text(root)
    said = audit.read(text)
    requestors = [one for one in said["participants"] if one["requestor"]]
    if len(requestors) > 1:
        raise ValueError("several participants are marked as requestor; the standard allows one")
    person = requestors[0] if requestors else {"user_id": "", "host": ""}
    helpers = [one for one in said["participants"] if not one["requestor"]]
    archive = next((one for one in helpers if one["user_id"] == "2214"), None) or next((one for one in helpers if "HV_PACS" in (
        one["user_id"], one["name"], *_titles(one["alternative"]))), {"user_id": "", "alternative": ""})
    # A patient is of type 1; another object is named by what kind of number it has.
    things = list(zip(said["objects"], root.findall("ParticipantObjectIdentification"), strict=True))
    patients = [one for one in things if one[0]["id_type"] == "2" or one[0]["type"] == "1" and not (
        one[0]["id_type"] == "110180" and re.fullmatch(r"\d+(\.\d+)+", one[0]["id"] or ""))]
    studies = [one for one in things if one not in patients and one[0]["id_type"] == "110180"]
    others = [one for one in things if one not in patients and one not in studies]
    try:
        when = _moment(said["when"])
        zone = datetime.fromisoformat(said["when"]).tzinfo is not None
    except ValueError as problem:
        raise ValueError(f"EventDateTime can't be read: {problem}") from None
    return {
        "EventID": said["event"], "EventTypeCode": ", ".join(one or "" for one in said["event_types"]),
        "EventActionCode": said["action"] or "", "EventOutcomeIndicator": said["outcome"],
        "The zone of EventDateTime": "given" if zone else "none", "EventDateTime": when,
        "The requestor's UserID": (person["user_id"] or "").casefold(),
        "The requestor's NetworkAccessPointID": person["host"] or "",
        "The archive's UserID": archive["user_id"] or "",
        "The archive's AlternativeUserID": "AETITLES=HV_PACS" if set(_titles(archive["alternative"])) == {"HV_PACS"}
        else archive["alternative"] or "",
        "NetworkAccessPointTypeCode": "right" if all(
            one.get("NetworkAccessPointTypeCode", "2") == "2" for one in root.findall("ActiveParticipant")
            if re.fullmatch(r"[\d.]+", one.get("NetworkAccessPointID", ""))) else "wrong",
        "The list of participants": ", ".join(one["user_id"] or "" for one in helpers if one is not archive),
        "AuditSourceID": said["source"],
        "The study": _ids(studies), "The kind of the study's number": _kinds(studies),
        "The study's object, by type and role,": _roles(studies),
        "The patient": _ids(patients), "The kind of the patient's number": _kinds(patients),
        "The patient's object, by type and role,": _roles(patients),
        "The name in the patient's object": ", ".join(names.search_form(one["name"] or "") for one, _ in patients),
        "The list of objects": _ids(others),
        "The codeSystemName of EventID": root.find("EventIdentification/EventID").get("codeSystemName"),
        "EventOutcomeDescription": "none" if said["explanation"] is None else "there",
        "The place of the patient's name": "elsewhere" if _leak(text, root, [element for _, element in patients]) else "nowhere else",
    }


def _xml_of(given):
    """The text of a message that was given as text, octets or an element."""
    if isinstance(given, ET.Element):
        return ET.tostring(given, encoding="unicode")
    return given if isinstance(given, str) else bytes(given).decode("utf-8")


def _titles(alternative):
    """The AE titles in an AlternativeUserID, 'AETITLES=HV_PACS;HV_VIEW' (PS3.15 A.5.2.2)."""
    return (alternative or "").removeprefix("AETITLES=").split(";") if (alternative or "").startswith("AETITLES=") else []


def _ids(things):
    return ", ".join(one["id"] or "" for one, _ in things)


def _kinds(things):
    return ", ".join(f"{one['id_type']} {element.find('ParticipantObjectIDTypeCode').get('codeSystemName')}" for one, element in things)


def _roles(things):
    return ", ".join(f"{one['type']} {one['role']}" for one, _ in things)


def _refuse_plain_text(root):
    """Raise ValueError with a sentence when something that the schema wants in base64, or as a number, is neither."""
    held = [(f'the ParticipantObjectDetail "{one.get("type")}"', one.get("value", "")) for one in root.iter("ParticipantObjectDetail")]
    held += [("the ParticipantObjectQuery", one.text or "") for one in root.iter("ParticipantObjectQuery")]
    for what, value in held:
        try:
            octets = base64.b64decode("".join(value.split()), validate=True)
            # Plain letters may be base64 by chance; what they stand for is then no text.
            if "Detail" in what and not octets.decode("utf-8").replace("\n", " ").isprintable():
                raise ValueError
        except ValueError:
            raise ValueError(f"{what} is plain text. The schema wants its value in base64, as it may hold anything; and nothing of "
                             "that kind is asked here") from None
    for one in root.iter("SOPClass"):
        if not one.get("NumberOfInstances", "").isdigit():
            raise ValueError("NumberOfInstances of a SOPClass is no number")


def _leak(text, root, patients):
    """Whether anything but the patient's own object holds the patient's family name, however it is parted, or, outside the participants,
    a given name; a comment included."""
    whole = {(one.findtext("ParticipantObjectName") or "").strip() for one in patients} - {""}
    family = {_letters(name.split("^")[0]) for name in whole}
    given = {one for name in whole for one in _words(" ".join(name.split("^")[1:])) if len(one) > 2}
    inside = {id(part) for one in patients for part in one.iter()}
    said, of_objects = re.findall(r"<!--(.*?)-->", text, re.DOTALL), []
    objects = {id(part) for one in root.findall("ParticipantObjectIdentification") for part in one.iter()}
    for one in root.iter():
        values = [one.text or "", one.tail or "", *one.attrib.values()]
        if one.tag == "ParticipantObjectDetail":
            values.append(base64.b64decode(one.get("value", "")).decode("utf-8", "replace"))
        if id(one) not in inside:
            said += values
            of_objects += values if id(one) in objects else []
    return any(name in _letters(one) for name in family for one in said) or any(given & _words(one) for one in of_objects)


def _letters(text):
    """'vandermeer' of 'van der Meer'."""
    return re.sub(r"[\W\d_]", "", text.casefold())


class _CorrectionMessage(Message):
    """As a Message; what nobody asked for may be in it, but must be true."""

    def judge(self, exercise, given, editions):
        """As every message."""
        verdict = super().judge(exercise, given, editions)
        if not verdict.correct:
            return verdict
        root = audit.tree(re.sub(r"^<\?xml.*?\?>\s*", "", _xml_of(given[0]).strip().lstrip(audit.BOM)))
        line = lesson.input_of("samples", editions.own)["opened"]
        found = _untrue(root, lesson.input_of("correction", editions.own), ET.fromstring(line[line.index("<AuditMessage"):]))
        if found is None:
            return verdict
        label, what = found
        return Verdict(Outcome.NOT_YET, f"All that is asked is right. But {what} What nobody asked for may be left out; if it is there, it "
                       "has to be true as well.", label)


def _words(text):
    return set(re.findall(r"\w+", names.search_form(text or "")))


def _untrue(root, facts, opened):
    """(label, sentence) on something in a right message that nobody asked for and that isn't true, or None.

    opened : the tree of the message of part 1, which is of the same study and by the same archive
    """
    for one in root.iter("ActiveParticipant"):
        archive, account = one.get("UserID") == "2214", facts["user"]
        own = "HV_PACS archive PACS" if archive else f"{facts['name']} {account} {account.split('@')[0]}"
        if _words(one.get("UserName")) and not _words(one.get("UserName")) & _words(own):
            return "name", f"the UserName beside the UserID `{one.get('UserID')}` names somebody else. People read it first, and it must " \
                "not name an innocent colleague."
        place = opened.find("ActiveParticipant[@UserID='2214']").get("NetworkAccessPointID")
        if archive and one.get("NetworkAccessPointID", place) != place and "hvpacs" not in re.sub(
                "[-_]", "", one.get("NetworkAccessPointID").casefold()):
            return "address", "NetworkAccessPointID of the archive is another machine's; its own stands in the message of part 1."
        roles = {role.get("csd-code") for role in one.iter("RoleIDCode")} & set(audit.ROLES) - ({"110150"} if archive else set())
        if roles:
            return "role", f"the RoleIDCode {min(roles)} says what the participant `{one.get('UserID')}` was not: nothing was sent or " \
                "burned."
    for kind, code in (("EventID", "110103"), ("ParticipantObjectIDTypeCode", "110180"), ("ParticipantObjectIDTypeCode", "2")):
        meaning = audit.EVENTS.get(code) or audit.ID_TYPES[code][1]
        for one in root.iter(kind):
            if one.get("csd-code") == code and not _words(one.get("originalText")) <= _words(meaning):
                return "meaning", f"the code {code} of {kind} has another originalText than what it means: the code is read by programs, " \
                    "the text by people, and here they contradict each other."
    source = root.find("AuditSourceIdentification")
    if source.get("AuditEnterpriseSiteID", "HVGH").strip().upper() != "HVGH":
        return "site", "AuditEnterpriseSiteID is another house's."
    if any(one.get("csd-code") not in ("4", "5", "9") for one in source.iter("AuditSourceTypeCode")):
        return "source type", "AuditSourceTypeCode says that the archive is something else; its own stands in the message of part 1."
    known = [(one.get("UID"), one.get("NumberOfInstances")) for one in opened.iter("SOPClass")]
    if any((one.get("UID"), one.get("NumberOfInstances")) not in known for one in root.iter("SOPClass")):
        return "contents", "a SOPClass and its NumberOfInstances are not those of this study, as the message of part 1 has them."
    for one in root.findall("ParticipantObjectIdentification"):
        name = one.findtext("ParticipantObjectName") or ""
        if one.get("ParticipantObjectID") == facts["study_uid"] and not _words(name) & {
                "CT", "CTHEAD", "HEAD", "STUDY", "SKULL", "BRAIN", facts["accession"]} and facts["study_uid"] not in name:
            return "study", "the name of the study's object is not that of this CT."
    told = [("accession", one.get("Number", "")) for one in root.iter("Accession")]
    told += [(one.get("type", ""), base64.b64decode(one.get("value", "")).decode("utf-8", "replace"))
             for one in root.iter("ParticipantObjectDetail")]
    for kind, value in told:
        name = re.sub(r"[\s_-]", "", kind.casefold())
        right = facts["accession"] if "accession" in name else facts["patient_id"] if name in ("patientid", "patientnumber") else value
        if value.strip() != right.strip():
            return "value", f"the message also tells a number, `{kind}`, that is not the one in `correction`."
    return None


def _about_the_message(part, given, right, input_of):
    if given is None:
        return None
    if part in ("The patient", "The study") and ", " in given:
        whose = "the patient to whom the study belongs since" if part == "The patient" else "the study that was changed"
        return f"There are several such objects; one is asked, of {whose}."
    told = {
        "EventID": "The question names the event; its code stands in the table of events.",
        "EventTypeCode": "The question names no type of event: leave EventTypeCode out. 110122, for one, says that somebody logged in.",
        "EventActionCode": "Five letters are allowed: create, read, update, delete, execute. Which one changes what is there?",
        "EventOutcomeIndicator": "Did it succeed, or fail?",
        "EventDateTime": "When did it happen, in UTC or with the right offset? In April Amsterdam is two hours ahead of UTC.",
        "The requestor's UserID": "Who corrected? The account stands in `correction`, whole, with what is behind the @; that participant "
        "alone has UserIsRequestor true.",
        "The requestor's NetworkAccessPointID": "At which computer did that person sit?",
        "The archive's UserID": "The process that changed the instances takes part as well, not as the requestor: its UserID stands in "
        "the question.",
        "The archive's AlternativeUserID": "The AE title of the archive's process stands there as `AETITLES=` and the title.",
        "NetworkAccessPointTypeCode": "It says what kind of address NetworkAccessPointID is: 1 a machine's name, 2 an IP address.",
        "The list of participants": "Only the administrator and the archive's process took part.",
        "AuditSourceID": "Which system writes this message?",
        "The study": "One object of ID type 110180 holds the Study Instance UID of the images that were changed.",
        "The kind of the study's number": "Of a study the ID type is (110180, DCM, \"Study Instance UID\").",
        "The study's object, by type and role,": "A study is of type 2, a system object, in role 3, a report (PS3.15 A.5.3.6), as "
        "in part 1.",
        "The patient": "One object of type 1 and role 1 holds the patient's number, as it is since the correction.",
        "The kind of the patient's number": "Of the patient's number the ID type is (2, RFC-3881, \"Patient Number\").",
        "The patient's object, by type and role,": "A patient is of type 1, a person, in role 1, the patient.",
        "The name in the patient's object": "It is the patient's name as it is since the correction, in the form FAMILY^GIVEN.",
        "The list of objects": "Only the study and the patient are asked.",
        "The codeSystemName of EventID": "The codes of events are DICOM's own: DCM.",
        "EventOutcomeDescription": "HVGH's policy leaves it out: every administrator of the repository reads it.",
        "The place of the patient's name": "It stands outside the patient's own object as well, in another object, an "
        "attribute or a comment. HVGH's policy keeps it in that one place.",
    }
    return told.get(part)


def _correction_message(facts, **other):
    """The right message, or another where `other` says so."""
    said = {"event": "110103", "action": "U", "when": "2025-04-07T05:12:30Z", "patient": facts["patient_id"], "study": facts["study_uid"],
            "person": True, "archive": False, "user": facts["user"], "outcome": "0", "explanation": None, "with_archive": True,
            "name": facts["patient_name"], **other}
    people = audit.participant(said["user"], said["person"], (), facts["name"], host=facts["host"])
    if said["with_archive"]:
        people += audit.participant("2214", said["archive"], (), "HV_PACS", "AETITLES=HV_PACS", "10.20.10.10")
    objects = audit.study(said["study"], "CT HEAD", facts["accession"], ())
    objects += audit.patient(said["patient"], said["name"])
    return audit.message(said["event"], said["action"], said["when"], people, "HV_PACS", objects, said["outcome"], None,
                         said["explanation"], "HVGH", "4")


@lesson.exercise
class Correction:
    """When the study of Case 17 was put right, `HV_PACS` should have told the repository. Write the message, XML text, from the facts in
    `correction`:

    - the event is *DICOM Instances Accessed* (PS3.15 A.5.3.6): instances were **changed**, with success;
    - the administrator (`user`, whole) began it, at that computer (`host`, an IP address); the archive's process (UserID 2214,
      AlternativeUserID `AETITLES=HV_PACS`) took part;
    - it happened at `wall_clock`, the time in Amsterdam;
    - two objects: the study, and the patient to whom it belongs **since the correction**;
    - HVGH's policy: no EventOutcomeDescription, and the patient's name nowhere but in the patient's own object.

    Write the XML alone, from `<AuditMessage` on, without the header of syslog. Like every message it has to keep to the schema, and
    whatever you add to what is asked has to be true. The shortest way: copy the message that is printed in part 1 between three quotes,
    and change what has to be changed.
    """

    answer = _CorrectionMessage("message", reading=parts_of, objects=(ET.Element,), remark=_about_the_message)
    points = 3
    praise = "Now the next reviewer who finds accesses to a number that no longer exists can follow the study, by its UID, to its right " \
        "patient: that is how the physician of Case 17 is cleared in a minute. (What the number was before, this message does not say; " \
        "the older accesses do.)"

    def solution(correction):
        utc = "2025-04-07T05:12:30Z"                       # two hours behind the wall clock of April
        return f"""<AuditMessage>
        <EventIdentification EventActionCode="U" EventDateTime="{utc}" EventOutcomeIndicator="0">
          <EventID csd-code="110103" codeSystemName="DCM" originalText="DICOM Instances Accessed"/>
        </EventIdentification>
        <ActiveParticipant UserID="{correction["user"]}" UserIsRequestor="true" NetworkAccessPointID="{correction["host"]}"
          NetworkAccessPointTypeCode="2"/>
        <ActiveParticipant UserID="2214" AlternativeUserID="AETITLES=HV_PACS" UserIsRequestor="false"/>
        <AuditSourceIdentification AuditEnterpriseSiteID="HVGH" AuditSourceID="HV_PACS"/>
        <ParticipantObjectIdentification ParticipantObjectID="{correction["study_uid"]}" ParticipantObjectTypeCode="2"
          ParticipantObjectTypeCodeRole="3">
          <ParticipantObjectIDTypeCode csd-code="110180" codeSystemName="DCM" originalText="Study Instance UID"/>
          <ParticipantObjectName>CT HEAD</ParticipantObjectName>
        </ParticipantObjectIdentification>
        <ParticipantObjectIdentification ParticipantObjectID="{correction["patient_id"]}" ParticipantObjectTypeCode="1"
          ParticipantObjectTypeCodeRole="1">
          <ParticipantObjectIDTypeCode csd-code="2" codeSystemName="RFC-3881" originalText="Patient Number"/>
          <ParticipantObjectName>{correction["patient_name"]}</ParticipantObjectName>
        </ParticipantObjectIdentification>
        </AuditMessage>"""

    def read_only(correction):
        return _correction_message(correction, action="R")

    def deleted_and_made_anew(correction):
        return _correction_message(correction, action="D")

    def another_event(correction):
        return _correction_message(correction, event="110110")

    def wall_clock_as_utc(correction):
        return _correction_message(correction, when="2025-04-07T07:12:30Z")

    def without_a_zone(correction):
        return _correction_message(correction, when="2025-04-07T07:12:30")

    def winter_offset(correction):
        return _correction_message(correction, when="2025-04-07T07:12:30+01:00")

    def archive_began_it(correction):
        return _correction_message(correction, person=False, archive=True)

    def nobody_began_it(correction):
        return _correction_message(correction, person=False)

    def patient_acted(correction):
        return _correction_message(correction, user=correction["patient_id"])

    def the_wrong_number(correction):
        return _correction_message(correction, patient=correction["wrong_id"])

    def the_old_name(correction):
        return _correction_message(correction, name=correction["wrong_name"])

    def study_of_the_order(correction):
        return _correction_message(correction, study=correction["planned_uid"])

    def told_in_free_text(correction):
        return _correction_message(correction, explanation=f"{correction['patient_name']}: {correction['wrong_id']} mistyped, unconscious")

    def person_alone(correction):
        return _correction_message(correction, with_archive=False)

    wrong_ways = {
        read_only: "EventActionCode R says that the images were read. They were changed: that is another letter, and for a hearing another "
        "thing.",
        deleted_and_made_anew: "EventActionCode D says that instances were deleted; and a study that is deleted as a whole would be the "
        "event 110105. Nothing was deleted: attributes were changed.",
        another_event: "That is another event, a patient's record. The patient's record was not touched; it is the images that belong to "
        "another number now.",
        wall_clock_as_utc: "You wrote the wall clock's time with a Z. Z means UTC, and in April Amsterdam is two hours ahead: so the "
        "correction lies in the future when it is written.",
        without_a_zone: "EventDateTime has no zone. The schema lets it pass, and nobody can say which hour it was: write Z or the offset.",
        winter_offset: "+01:00 is the offset of winter. On 7 April summer time holds, as the scanner of Case 17 did not know either.",
        archive_began_it: "You marked the archive's process as requestor. It did what it was told; a person began it.",
        nobody_began_it: "No participant is marked as requestor (PS3.15 Table A.5-1), though the archive knows who pressed the button: "
        "that account is what the next reviewer looks for.",
        patient_acted: "The patient's number stands as UserID. Who acts is a participant; whom it is about is a participating **object**.",
        the_wrong_number: "That is the mistyped number. Since the correction the study belongs to another one, and under that the next "
        "reviewer will look.",
        the_old_name: "The number is right, but the name beside it is still the mistyped one. Both were corrected.",
        study_of_the_order: "That UID is the one that the order had planned. The scanner had not seen the order and made its own: the "
        "images bear that one.",
        told_in_free_text: "You tell the story in free text. EventOutcomeDescription is read by every administrator of the repository, "
        "and a patient's name and condition have no place there: HVGH's policy leaves it out.",
        person_alone: "The archive's process is missing among the participants: it is what changed the instances.",
    }
    hints = [
        "The message in part 1 has the same event and the same study. What is other now: action, time, person, address, patient.",
        "Time: subtract the offset and write Z, or write the wall clock's time with its offset. In April Amsterdam has summer time.",
        "In an f-string, `f\"\"\"<AuditMessage> ... UserID=\"{correction[\"user\"]}\" ...\"\"\"`, the values of `correction` are put in "
        "for you. Begin and end it with three quotes: the XML itself is full of quotes.",
    ]


# --- part 7: a repository

class _Server(socketserver.ThreadingTCPServer):
    daemon_threads, block_on_close, allow_reuse_address = True, False, False


def _repository(keep, take):
    """A server each of whose connections is a generator of messages: `take(receive)`."""
    class Handler(socketserver.BaseRequestHandler):
        """One sender."""

        def handle(self):
            """Keep what `take` finds."""
            with contextlib.suppress(OSError, ValueError, SystemExit):
                for message in take(self.request.recv):
                    keep(message)

    server = _Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


def _by_length(receive, counted=len, strip=False, most=None):
    """Messages by the length before each."""
    waiting = b""
    while octets := receive(4096):
        waiting += octets
        while b" " in waiting:
            length, rest = waiting.split(b" ", 1)
            if counted(rest) < int(length):
                break
            size = int(length) if counted is len else len(rest.decode("utf-8", "ignore")[:int(length)].encode())
            yield rest[:size].strip() if strip else rest[:size]
            waiting = rest[size:]
            if most:
                return


def _once(receive):
    """A `receive` that gives octets one time, and then none."""
    times = itertools.count()
    return lambda most: b"" if next(times) else receive(most)


# Seconds that a visitor waits for anything: at first, after a later message has come, for that one, and for a long one while a handler
# still works on it; and between two looks.
_SOON, _GRACE, _PATIENCE, _LONG = 0.05, 0.2, 1.0, 3.0
_LOOK = 0.003
_MARK = b"LATER-MESSAGE"


def _visit_messages(seed):
    """Syslog messages for the visitor, by a name for each; no two of the plain ones are the same."""
    draw = random.Random(seed)

    def packed(xml, bom=False):
        return audit.syslog(xml, "2025-04-07T05:12:31Z", "hv-pacs.hvgh.example", "HV_PACS", "2214", bom=bom).encode("utf-8")

    def long(size):
        return packed(xml.replace("MR KNEE", "MR KNEE" + "E" * (size - len(packed(xml)))))

    plain = [packed(_made(draw)[0]) for _ in range(12)]
    xml = _made(draw)[0]
    return {
        "plain": plain,
        "letters": packed(xml.replace("DOE^JANE", "ØSTERGÅRD^ZOË")),
        "mark": packed(xml, bom=True),
        "line ends": packed(xml.replace("><", ">\n<")),
        "malformed": packed(_made(draw, outcome="1")[0]),
        "no audit": b"<86>1 2025-04-07T05:12:31Z hv-pacs.hvgh.example sshd 771 - - session opened for user root",
        "no header": b"Apr  7 05:12:31 ct2 storescp: started",
        "no UTF-8": b"<85>1 2025-04-07T05:12:31Z ups.hvgh.example snmp 12 - - room 4: 21 \xb0C\x00\xff",
        "quoting": b"<84>1 2025-04-07T05:12:31Z hv-pacs.hvgh.example HV_PACS 2214 - - not sent again: "
        b"96 <85>1 2025-04-07T05:12:30Z hv-pacs.hvgh.example HV_PACS 2214 - - <AuditMessage></AuditMessage> (queue full)",
        "trailing": packed(xml) + b" \n",
        # With its length and the blank before it, it fills two `recv` of 4,096 octets to the last.
        "full": long(8187),
        "five digits": long(12000),
        "longest": long(40000),
        "longer than any limit": long(70000),
        "later": packed(xml.replace("MR KNEE", _MARK.decode())),
    }


def _left_behind(server, patience=0.5):
    """Whether a handler of the server's still runs although its sender has left: it is given a moment, and then ended."""
    _ended(server, patience)
    running = _handlers(server)
    for thread in running:
        # The interpreter raises it in that thread, which would else keep a processor busy until the kernel ends.
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(SystemExit))
    if running:
        _ended(server, 1.0)
    return bool(running)


def _ended(server, seconds):
    """Wait until no handler of the server's runs, so many seconds at most."""
    for _ in _ticks(seconds):
        if not _handlers(server):
            return


def _ticks(seconds):
    """True again and again, for so many seconds. While nobody gets on, on a very busy machine, hardly any pass."""
    passed, before = 0.0, time.monotonic()
    while passed < seconds:
        yield True
        time.sleep(_LOOK)
        now = time.monotonic()
        passed, before = passed + min(now - before, 10 * _LOOK), now


def _handlers(server):
    """The threads that are inside a request handler of a server of `socketserver`: their idents."""
    found = []
    for ident, frame in list(sys._current_frames().items()):
        while frame is not None:
            if frame.f_code is socketserver.BaseRequestHandler.__init__.__code__ and frame.f_locals.get("server") is server:
                found.append(ident)
                break
            frame = frame.f_back
    return found


# What is tried while connections are open.
_OPEN = ("One message comes", "Two messages come in one piece, then a third over the same connection",
         "A message of 8,187 octets comes, and nothing behind it", "Two senders send at the same time, in pieces",
         "The hospital's own sender sends 500 messages over one connection")


class _RepositoryServer(Server):
    """A Server; where the learner's `handle` broke off with an exception, that is told as well: a server's thread tells it to nobody."""

    _own = None                         # what was seen of the learner's server

    def judge(self, exercise, given, editions):
        """As every server."""
        self._raised, self._own = [], None
        verdict = super().judge(exercise, given, editions)
        if verdict.correct or not self._raised:
            return verdict
        said = f"{type(self._raised[0]).__name__}: {self._raised[0]}"
        said = said if len(said) <= 90 else said[:90] + "..."
        return Verdict(verdict.outcome, f"{verdict.message} (While this was tried, `handle` broke off with `{said}`.)", verdict.label)

    def _visited(self, exercise, function, case):
        self._listens = all(function is not one for one in (exercise.solution, *exercise.wrong_ways))
        answer = super()._visited(exercise, function, case)
        if self._listens:
            self._own = answer
        return answer

    def _seen(self, exercise, function, cases, hospital):
        # What is right is known without the solution's server: that everything is kept, up to the last step.
        if function is exercise.solution and type(self._own) is dict and _OPEN[-1] in self._own and set(self._own.values()) == {
                "kept as sent", "all loops have ended"}:
            return {(0, what): value for what, value in self._own.items()}
        return super()._seen(exercise, function, cases, hospital)

    def _tried(self, function, arguments, shown, visit):
        def visit_and_listen(server):
            with contextlib.suppress(AttributeError):           # what is no server of `socketserver` tells its own way
                server.handle_error = lambda *_: self._raised.append(sys.exception())
            return visit(server)

        return super()._tried(function, arguments, shown, visit_and_listen if self._listens else visit)


@lesson.exercise
class Repository:
    """Write `repository(keep)`: it starts a server on this machine, and for each syslog message that arrives, whole, it calls
    `keep(message)` with the octets of the message (`bytes`, without the length before it). It returns the server. Messages come as RFC 5425
    frames them: the number of octets in decimal digits, a blank, the message.

    The server that is shown above takes what one `recv` gives for one message. Mend that: a frame may come in pieces of any size, and
    several may come in one. Keep every message as it came, octet for octet: short or long (set no limit of your own), audit message or
    not, sound or not, a second time if it comes a second time. When a sender leaves in the middle of a message, there is nothing to keep;
    the next sender begins anew.
    """

    answer = _RepositoryServer("repository", called="repository", kept=False, example="return server")
    points = 4
    praise = "Five hundred messages in a row, frames in crumbs, two senders at once, and all that arrived is kept: this could stand " \
        "beside the hospital's own. What it lacks is a disk, and TLS."

    def solution(keep):
        import socketserver
        import threading

        class Sender(socketserver.BaseRequestHandler):
            def handle(self):
                waiting = b""
                while True:
                    octets = self.request.recv(4096)
                    if octets == b"":
                        return
                    waiting = waiting + octets
                    while b" " in waiting:
                        length, rest = waiting.split(b" ", 1)
                        size = int(length)
                        if len(rest) < size:
                            break
                        keep(rest[:size])
                        waiting = rest[size:]

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Sender)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return server

    def cases(draw):
        return [(draw.randrange(10**6),)]

    @contextlib.contextmanager
    def stage(seed):
        kept = []
        yield (lambda message: kept.append(bytes(message) if type(message) in (bytearray, memoryview) else message),), (kept, seed)

    def visit(server, bench):
        kept, seed = bench
        port = getattr(server, "port", None) or server.server_address[1]
        sent = _visit_messages(seed)
        plain = sent["plain"]
        found = {}

        def came():
            return [one for one in list(kept) if type(one) is not bytes or _MARK not in one]

        def wait(holds, seconds):
            """Wait until it holds, or until nothing new has been kept for so long: a slow server is as good as a fast one."""
            seen, ticks = len(kept), _ticks(seconds)
            while not holds() and next(ticks, False):
                if len(kept) > seen:
                    seen, ticks = len(kept), _ticks(seconds)
            return holds()

        def settle(count, long):
            """Wait for so many messages. What is not there at once may be late: then another message is sent, and when that has come, what
            was sent long before it will not come any more. Returns whether anything comes."""
            if wait(lambda: len(came()) >= count, _SOON) and count > before:
                time.sleep(0.01)                        # one too many would come now
                return True
            marks = len(kept) - len(came())
            send(audit.frame(sent["later"]))
            goes_on = wait(lambda: len(kept) - len(came()) > marks, _PATIENCE)
            wait(lambda: len(came()) >= max(count, before + 1), _GRACE)
            if goes_on and long:                        # octet by octet it takes its time; whoever has dropped it is through with it
                wait(lambda: len(came()) >= count or not _handlers(server), _LONG)
            return goes_on

        def connected():
            return contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout=5))

        def send(*pieces):
            """Send pieces over a connection of its own, each in a segment of its own; a server that hangs up has not kept them."""
            with contextlib.suppress(OSError), connected() as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for piece in pieces:
                    connection.sendall(piece)
                    if len(pieces) > 1:
                        pause()

        def pause():
            """Long enough for the server to take what was sent, so that the next piece comes alone."""
            for _ in _ticks(0.06):
                pass

        def alone(what, name):
            send(audit.frame(sent[name]))
            return what, [sent[name]]

        def steps():
            """(what happens, messages that should be kept) one after the other; a connection that is open at a `yield` stays so while the
            messages are waited for, and None says that it has been closed."""
            with AuditSender("127.0.0.1", port) as sender:
                with contextlib.suppress(OSError):
                    sender.send(plain[0])
                yield "One message comes", [plain[0]]
            yield None
            with connected() as one:
                with contextlib.suppress(OSError):
                    one.sendall(audit.frame(plain[6]) + audit.frame(plain[7]))
                    wait(lambda: len(came()) > before + 1, _GRACE)
                    one.sendall(audit.frame(plain[8]))
                yield "Two messages come in one piece, then a third over the same connection", [plain[6], plain[7], plain[8]]
            yield None
            with contextlib.suppress(OSError), connected() as one:
                one.sendall(audit.frame(plain[2]))
                wait(lambda: len(came()) > before, _GRACE)
                one.sendall(audit.frame(plain[3]))
            yield "Two messages come one after the other over one connection", plain[2:4]
            frame = audit.frame(plain[1])
            send(frame[:200], frame[200:500], frame[500:])
            yield "A message comes in three pieces", [plain[1]]
            frame = audit.frame(plain[4])
            send(frame[:1], frame[1:2], frame[2:4], frame[4:])
            yield "A message comes whose length is cut between its digits", [plain[4]]
            send(audit.frame(sent["letters"]) + audit.frame(plain[5]))
            yield "A message with the letters Ø, Å and Ë comes, and another behind it", [sent["letters"], plain[5]]
            yield alone("A message with line ends in it comes", "line ends")
            yield alone("A message comes that ends with a blank and a line end", "trailing")
            yield alone("A malformed audit message comes, outcome 1", "malformed")
            yield alone("A syslog message comes that is no audit message", "no audit")
            yield alone("A syslog message comes that quotes another one, its length and `</AuditMessage>` included", "quoting")
            yield alone("A message with a byte order mark in it comes", "mark")
            yield alone("A message comes that is not even UTF-8", "no UTF-8")
            yield alone("A message comes that has no header of syslog", "no header")
            with connected() as one:
                with contextlib.suppress(OSError):
                    one.sendall(audit.frame(sent["full"]))
                yield "A message of 8,187 octets comes, and nothing behind it", [sent["full"]]
            yield None
            yield alone("A message of 12,000 octets comes", "five digits")
            yield alone("A message of 40,000 octets comes", "longest")
            yield alone("A message of 70,000 octets comes", "longer than any limit")
            first, second = audit.frame(plain[9]), audit.frame(plain[10])
            with contextlib.ExitStack() as both:
                one, other = (both.enter_context(connected()) for _ in range(2))
                with contextlib.suppress(OSError):
                    for connection, piece in ((one, first[:100]), (other, second[:300]), (one, first[100:])):
                        connection.sendall(piece)
                        pause()
                    wait(lambda: len(came()) > before, _GRACE)
                    other.sendall(second[300:])
                yield "Two senders send at the same time, in pieces", [plain[9], plain[10]]
            yield None
            send(audit.frame(plain[11])[:-60])
            yield "A sender leaves in the middle of a message", []
            send(audit.frame(plain[11]) * 2)
            yield "The same message comes two times", [plain[11]] * 2
            many = [plain[number % 8] for number in range(500)]
            with AuditSender("127.0.0.1", port) as sender:
                for message in many:
                    with contextlib.suppress(OSError):
                        sender.send(message)
                yield "The hospital's own sender sends 500 messages over one connection", many

        before = after_first = 0                        # the first failure, and steps since then
        stuck = False                                   # whether a handler went on without its sender
        todo = steps()
        with contextlib.closing(todo):
            for step in todo:
                if step is None:                        # the connection of the step before has been closed
                    if found[what] != "kept as sent" and wait(lambda: len(came()) > before, _GRACE):
                        found[what] += ", and more only when the sender had left"
                        before = len(came())
                else:
                    what, messages = step
                    goes_on = settle(before + len(messages), any(len(one) > 20_000 for one in messages))
                    found[what] = _kept(came()[before:], messages)
                    if what.startswith("Two senders") and found[what] != "kept as sent" and isinstance(
                            server, socketserver.BaseServer) and not isinstance(server, socketserver.ThreadingMixIn):
                        found[what] += ", as one without `Threading` in its name serves one sender after the other"
                    before = len(came())
                    after_first += bool(after_first) or found[what] != "kept as sent"
                if step is None or what not in _OPEN:
                    left = _left_behind(server, 0 if stuck else 0.5)
                    if left and not stuck:
                        found[what] += "; the sender has left, and a loop of the server's goes on for ever"
                        after_first = after_first or 1
                    stuck = stuck or left
                if (step is None or what not in _OPEN) and (after_first >= 3 or after_first and stuck) or not goes_on:
                    break                               # what comes behind it would say nothing new
        stuck = _left_behind(server) or stuck
        found["All senders have left"] = "a loop of your server goes on for ever" if stuck else "all loops have ended"
        return found

    def one_recv_one_message(keep):
        def take(receive):
            while octets := receive(4096):
                yield octets
        return _repository(keep, take)

    def length_kept_too(keep):
        def take(receive):
            for message in _by_length(receive):
                yield b"%d " % len(message) + message
        return _repository(keep, take)

    def one_recv_without_length(keep):
        def take(receive):
            while octets := receive(4096):
                yield octets.split(b" ", 1)[-1]
        return _repository(keep, take)

    def one_frame_a_piece(keep):
        def take(receive):
            waiting = b""
            while octets := receive(4096):
                waiting += octets
                length, _, rest = waiting.partition(b" ")
                if len(rest) >= int(length):
                    yield rest[:int(length)]
                    waiting = b""
        return _repository(keep, take)

    def first_message_only(keep):
        return _repository(keep, lambda receive: _by_length(receive, most=1))

    def whole_connection(keep):
        def take(receive):
            everything = b""
            while octets := receive(4096):
                everything += octets
            yield everything.split(b" ", 1)[-1]
        return _repository(keep, take)

    def characters_counted(keep):
        return _repository(keep, lambda receive: _by_length(receive, counted=lambda rest: len(rest.decode("utf-8", "ignore"))))

    def length_in_one_piece(keep):
        def take(receive):
            waiting, size = b"", None
            while octets := receive(4096):
                if size is None:
                    length, _, octets = octets.partition(b" ")
                    size = int(length)
                waiting += octets
                while size is not None and len(waiting) >= size:
                    yield waiting[:size]
                    rest, waiting, size = waiting[size:], b"", None
                    if rest:
                        length, _, waiting = rest.partition(b" ")
                        size = int(length)
        return _repository(keep, take)

    def by_lines(keep):
        def take(receive):
            for message in _by_length(receive):
                yield from message.split(b"\n")
        return _repository(keep, take)

    def sound_ones_only(keep):
        def take(receive):
            for message in _by_length(receive):
                if not audit.problems(audit.read_syslog(message).text):
                    yield message
        return _repository(keep, take)

    def rest_is_kept(keep):
        def take(receive):
            waiting = b""
            while octets := receive(4096):
                waiting += octets
                while b" " in waiting:
                    length, rest = waiting.split(b" ", 1)
                    if len(rest) < int(length):
                        break
                    yield rest[:int(length)]
                    waiting = rest[int(length):]
            if waiting:
                yield waiting.split(b" ", 1)[-1]
        return _repository(keep, take)

    def one_buffer_for_all(keep):
        waiting = bytearray()

        def take(receive):
            while octets := receive(4096):
                waiting.extend(octets)
                while b" " in waiting:
                    length, _, rest = bytes(waiting).partition(b" ")
                    if not length.isdigit() or len(rest) < int(length):
                        break
                    yield rest[:int(length)]
                    del waiting[:len(length) + 1 + int(length)]
        return _repository(keep, take)

    def forgotten(keep):
        def take(receive):
            while waiting := receive(4096):
                while b" " in waiting:
                    length, rest = waiting.split(b" ", 1)
                    if len(rest) < int(length):
                        break
                    yield rest[:int(length)]
                    waiting = rest[int(length):]
        return _repository(keep, take)

    def returns_when_not_whole(keep):
        def take(receive):
            waiting = b""
            while octets := receive(4096):
                waiting += octets
                while b" " in waiting:
                    length, rest = waiting.split(b" ", 1)
                    if len(rest) < int(length):
                        return
                    yield rest[:int(length)]
                    waiting = rest[int(length):]
        return _repository(keep, take)

    def one_frame_a_recv(keep):
        def take(receive):
            waiting = b""
            while octets := receive(4096):
                waiting += octets
                if b" " in waiting:
                    length, rest = waiting.split(b" ", 1)
                    if len(rest) >= int(length):
                        yield rest[:int(length)]
                        waiting = rest[int(length):]
        return _repository(keep, take)

    def no_way_out(keep):
        def take(receive):
            waiting = b""
            while octets := receive(4096):
                waiting += octets
                while b" " in waiting:
                    length, rest = waiting.split(b" ", 1)
                    if len(rest) >= int(length):
                        yield rest[:int(length)]
                        waiting = rest[int(length):]
        return _repository(keep, take)

    def goes_on_without_a_sender(keep):
        def take(receive):
            waiting = b""
            while True:
                waiting += receive(4096)
                while b" " in waiting:
                    length, rest = waiting.split(b" ", 1)
                    if len(rest) < int(length):
                        break
                    yield rest[:int(length)]
                    waiting = rest[int(length):]
        return _repository(keep, take)

    def by_the_end_of_the_xml(keep):
        def take(receive):
            waiting, end = b"", b"</AuditMessage>"
            while octets := receive(4096):
                waiting += octets
                while end in waiting:
                    one, waiting = waiting.split(end, 1)
                    yield one.split(b" ", 1)[-1] + end
        return _repository(keep, take)

    def by_the_next_header(keep):
        def take(receive):
            waiting = b""
            while octets := receive(4096):
                waiting += octets
                some = re.split(rb"\d+ (?=<\d+>1 )", waiting)
                if some[-1].rstrip().endswith(b"</AuditMessage>"):
                    yield from (one for one in some if one)
                    waiting = b""
        return _repository(keep, take)

    def audit_messages_only(keep):
        def take(receive):
            yield from (message for message in _by_length(receive) if b"<AuditMessage" in message)
        return _repository(keep, take)

    def one_recv_a_connection(keep):
        return _repository(keep, lambda receive: _by_length(_once(receive)))

    def stripped(keep):
        def take(receive):
            yield from _by_length(receive, strip=True)
        return _repository(keep, take)

    wrong_ways = {
        one_recv_one_message: "You keep what `recv` gives, the length before the message included, and take it for one message. TCP is a "
        "stream of octets: where one `recv` ends has nothing to do with where a message ends. The length says that.",
        length_kept_too: "You keep the length and the blank before the message as well. They belong to the frame; the message begins "
        "behind them.",
        one_recv_without_length: "You cut the length off and keep the rest of that `recv` as a message. TCP may hand over a message in "
        "pieces: wait until as many octets are there as the length says.",
        one_frame_a_piece: "You throw away what comes behind a message. Several messages may arrive in one `recv`: what is left over is "
        "the beginning of the next one.",
        one_frame_a_recv: "You take one message for each `recv`. What is left over waits for the next one, though a whole message may be "
        "there already: look again, with `while` in place of `if`, until nothing whole is left.",
        forgotten: "Each `recv` begins anew: what came before it, and was not whole yet, is forgotten. Keep it across the `recv`: "
        "`waiting = b\"\"` once, before the outer loop, and in it `waiting = waiting + octets`.",
        returns_when_not_whole: "You leave `handle` when a message is not whole yet, and with it the connection is closed: what comes "
        "behind is never taken. Leave the inner loop alone, with `break`, and wait for the next `recv`.",
        no_way_out: "The inner loop never ends when a message is not whole yet: nothing in it changes, so it asks the same for ever and "
        "keeps a processor busy. Leave it with `break` and wait for the next `recv`. (The check has stopped it.)",
        goes_on_without_a_sender: "When the sender has gone, `recv` gives `b\"\"` at once, again and again, and your loop goes round for "
        "ever. Look for that and `return`. (The check has stopped it.)",
        by_the_end_of_the_xml: "You look for `</AuditMessage>`. Not every syslog message is an audit message, and that text may stand "
        "inside of one: where a message ends, the length says, and nothing else.",
        by_the_next_header: "You look for what the beginning of a syslog message looks like. That may stand inside of a "
        "message as well: where it ends, the length says, and nothing else.",
        audit_messages_only: "You keep what holds an audit message, and throw the rest away. A repository keeps everything that arrives: "
        "the question says audit message or not.",
        one_recv_a_connection: "You call `recv` once for each sender. What comes later is never taken: a sender keeps its connection open "
        "for days. Around your loop goes another, `while True:`, with the `recv` in it.",
        stripped: "You take off blanks or line ends. They belong to the message, and count in its length: keep the octets as they came.",
        first_message_only: "You stop after the first message of a connection. A sender keeps its connection open for days: go on with "
        "what is left over, and with the next `recv`.",
        whole_connection: "You keep a message only when something comes after it: the next message, or the end of the connection. A sender "
        "keeps it open for days, and the last message waits so long. The length says when a message is whole.",
        characters_counted: "You count characters. The length counts **octets**: in UTF-8 an Ø has two. Decode only when the message is "
        "whole.",
        length_in_one_piece: "You take the length for whole as soon as something has arrived. It may be cut as well: until the blank is "
        "there, it is not complete.",
        by_lines: "You split at line ends. XML may have as many line ends as it likes; where the message ends, the length says.",
        sound_ones_only: "You keep only what is a sound audit message. A repository keeps everything: what is malformed is evidence too, "
        "and the sender does not send it again.",
        rest_is_kept: "You keep the piece that is left when the sender goes. It is no message, only the beginning of one: nobody can say "
        "what the rest was.",
        one_buffer_for_all: "All connections share one `waiting`. Pieces of two senders so get mixed, and both messages are lost: each "
        "connection needs one of its own, made inside `handle`.",
    }
    hints = [
        "Keep what has not become a message yet in a variable of the connection: `waiting = b\"\"` in `handle`, before its loop, and "
        "`waiting = waiting + octets` in the loop.",
        "As long as `b\" \" in waiting`: `length, rest = waiting.split(b\" \", 1)`; `int(length)` reads the digits. Are there so many "
        "octets in `rest`?",
        "If not, leave the inner loop with `break` and wait for the next `recv`. If so, `keep(rest[:size])`, and what remains, "
        "`rest[size:]`, is the new `waiting`. Then look again: the next message may be there already.",
    ]


def _kept(some, messages):
    """What a repository kept in place of the messages that were sent, in words."""
    if some == messages:
        return "kept as sent"
    if any(type(one) is not bytes for one in some):
        return "kept something that is not bytes"
    if len(some) < len(messages):
        if all(one in messages for one in some):
            which = [f"{number}" for number, one in enumerate(messages, 1) if one not in some] if 1 < len(messages) < 10 else []
            return f"kept {len(some)} of {len(messages)} messages" + (f", not number {' and '.join(which)}" if which and some else "")
        return f"kept {len(some)} of {len(messages)} messages, and not as sent"
    wrong = next((one for one, sent in zip(some, messages, strict=False) if one != sent), None)
    if wrong is None:
        return "kept more than was sent" if messages else "kept something that is no message"
    if re.match(rb"\d+ ", wrong):
        return "kept with the length before it"
    return "kept another message than was sent, a shorter one" if any(sent.startswith(wrong) for sent in messages) else \
        "kept another message than was sent"
