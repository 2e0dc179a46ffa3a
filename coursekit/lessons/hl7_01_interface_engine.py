"""An interface engine: messages read, mapped to another version, merged, acknowledged, carried: the exercises of lesson hl7-01."""

import contextlib
import random
import re
import socket
import time
from datetime import datetime, timedelta

from coursekit.checking import Fields, Function, Kind, Lesson, Message, Number, Outcome, Server, Text
from coursekit.checking.kinds.base import Difference
from coursekit.checking.reading import Unclear, Unreadable, describe, is_library, plain
from coursekit.checking.verdict import Verdict
from coursekit.hospital import feed
from coursekit.standards import hl7
from coursekit.systems import mllp
from coursekit.systems.engine import Engine
from coursekit.systems.mllp import Listener

lesson = Lesson(
    "hl7-01",
    title="Programming an interface engine",
    version=1,
    minutes=120,
    objectives=[
        "read any version 2 message by the separators that it names, and take texts out of it without harm",
        "map an order from v2.5.1 (OMI) to v2.3.1 (ORM), data types, codes and merges included, and know what is lost on the way",
        "acknowledge rightly, and run an engine whose filters, maps and error queue carry a hospital's feed",
    ],
    covers=["program interface engines to map HL7 messages of different versions and for the hospital's own requirements"],
    needs=["cpas-14", "cpia-03"],
)

ENGINE = feed.ENGINE
OURS, THEIRS = "HVGH&2.999.1.1&ISO", "ECC&2.999.1.2&ISO"          # assigning authorities, as CX.4 has them
# What HV_PACS takes; the solution of exercise 9 calls it as the notebook does.
imaging = ("CR", "CT", "DX", "IO", "IVOCT", "IVUS", "MG", "MR", "NM", "PT", "PX", "RF", "US", "XA")
FAMILIES = ("KELLER", "SILVA", "HADDAD", "OKAFOR", "LINDQVIST", "ROSSI", "NGUYEN", "VISSER", "MAZUR", "PEMBERTON", "TESTA", "BÖHM")
GIVEN = ("ANNA", "MARCO", "YUSUF", "TEMI", "ERIK", "GIULIA", "LINH", "SANNE", "ZOFIA", "JOAN", "KÄTHE", "TUNDE")
REASONS = (r"Cough \T\ fever", r"Lesion 6 \S\ 8 mm", r"Pain, left > right", r"Fall; \T\ dizzy",
           r"Rule out fracture\.br\2nd request", "Follow-up")
PROCEDURES = (           # code, meaning, modality, the protocols of its steps: (code, meaning, modality)
    ("CTTHAB", "CT THORAX/ABDOMEN", (("CTTH-1", "CT thorax", "CT"), ("CTAB-1", "CT abdomen", "CT"))),
    ("PETCT", "PET/CT WHOLE BODY FDG", (("PETWB", "PET whole body FDG", "PT"), ("CTAC", "CT for attenuation", "CT"))),
    ("XCHPA", "XR CHEST PA/LAT", (("XCHPA-1", "XR CHEST PA/LAT routine", "DX"),)),
    ("MRBRK", "MR BRAIN/SPINE", (("MRBR-1", "MR brain", "MR"), ("MRCS-1", "MR cervical spine", "MR"),
                                 ("MRTS-1", "MR thoracic spine", "MR"))),
)
STEPS = ("A", "B", "C")


class Exact(Kind):
    """Plain data, compared as it stands: text, "" too; a list; a dictionary. A tuple is as good as a list.

    shape : str, list or dict, what it has to be
    parts : for a dictionary with given entries, {their names: the shape of each}; None for one with any
    """

    def __init__(self, shape, parts=None):
        super().__init__("result")
        self.shape, self.parts = shape, parts
        self.takes = {str: "text", list: "a list", dict: "a dictionary"}[shape]

    def read(self, given):
        """The data, as Python's own."""
        if type(given) is dict:
            shapes = self.parts or {}
            given = {name: value if shapes.get(name) is list else _mapping(value) for name, value in given.items()}
        value = plain(given)
        if type(value) is bytes:
            raise Unreadable("Those are bytes, where text is asked; `.decode()` makes text of bytes.")
        if type(value) is not self.shape:
            raise Unclear(describe(given))
        for name, shape in (self.parts or {}).items():
            if name not in value:
                raise Unreadable(f"It is a dictionary without the entry `{name}`.")
            if type(value[name]) is not shape:
                raise Unreadable(f"Its entry `{name}` is {describe(value[name]).rstrip('.')}.")
        if self.parts and len(value) > len(self.parts):
            extra = next(name for name in value if name not in self.parts)
            raise Unreadable(f"It is a dictionary with an entry {extra!r} that was not asked for.")
        return value

    def difference(self, answer, other):
        """None when both are the same."""
        if answer == other:
            return None
        if not self.parts:
            return Difference(_first_difference(answer, other), "value")
        wrong = next(name for name in self.parts if answer[name] != other[name])
        return Difference(f"Its entry `{wrong}` is not right. {_first_difference(answer[wrong], other[wrong])}".strip(), "value")


def _mapping(value):
    """A pandas Series, such as `value_counts()` returns, as a dictionary; anything else as it is."""
    return dict(zip(plain(value.index), plain(value), strict=True)) if is_library(value, "pandas", "Series") else value


def _first_difference(answer, other):
    """What is wrong with a list or dictionary, in a sentence that does not hold what is right; "" for a text."""
    if type(answer) is list:
        if len(answer) != len(other):
            return f"It has {len(answer)} elements, which is too {'few' if len(answer) < len(other) else 'many'}."
        place = next(place for place, (one, right) in enumerate(zip(answer, other)) if one != right)
        return f"Its element {place}, counted from 0, is the first that is wrong."
    if type(answer) is dict:
        extra = [name for name in answer if name not in other]
        if extra:
            return f"{extra[0]!r} does not belong there."
        missing = len(other) - len(answer)
        if missing:
            return f"{missing} {'entry is' if missing == 1 else 'entries are'} missing."
        return f"What stands under {next(name for name in answer if answer[name] != other[name])!r} is wrong."
    return ""


# --- the hospital's messages

def _sent(hospital):
    """What the hospital's systems sent to the engine: a list of ``feed.Message``, acknowledgements left out."""
    return [message for message in hospital.feed if message.receiver == ENGINE and message.event != "ACK"]


@lesson.input
def omi(hospital):
    """An order as Eastcliff's system sends it, OMI^O23 of v2.5.1: text."""
    orders = [message.text for message in _sent(hospital) if message.event == "OMI^O23"]
    return next((text for text in orders if "\\T\\" in text), orders[0])


@lesson.input
def card(hospital):
    """An order of the cardiology system, with separators of its own: text, with the line ends that it has."""
    return next(message.text for message in _sent(hospital) if message.sender == "CARD" and message.event == "ORM^O01")


@lesson.input
def petct(hospital):
    """The first PET/CT order from Eastcliff's test system, planned in two steps: text."""
    order = hl7.parse(omi(hospital))
    number, uid = order["IPC-1"], order["IPC-3"]
    code, meaning, steps = PROCEDURES[1]
    order["OBR-4"] = order["OBR-44"] = f"{code}^{meaning}^99HV"
    order["MSH-10"], order["MSH-11"] = "ETEST0001", "T"
    request, step = order["IPC-2"], order["IPC-4"]
    order.remove("IPC")
    for letter, (protocol, text, modality) in zip(STEPS, steps):
        order.add(f"IPC|{number}|{request}|{uid}|{step}{letter}|{modality}|{protocol}^{text}^99HV|PETCT1|Nuclear medicine|PETCT1")
    order.add("ZEC|PET-AUTH-4711|Tracer ordered")
    return order.encode().decode("utf-8")


@lesson.input
def merges(hospital):
    """The merges of thirty days, as the HIS and Eastcliff sent them: a list of texts."""
    return [message.text for message in _sent(hospital) if message.event in ("ADT^A40", "ADT^A34")]


@lesson.input
def night_files(hospital):
    """A week of the files in which the HIS sends each day's ADT to the region: a list of ``feed.Batch``."""
    files = feed.batches(hospital)
    wrong = next(place for place, file in enumerate(files) if file.quirks)
    first = max(min(wrong - 3, len(files) - 7), 0)
    return files[first:first + 7]


@lesson.input
def morning(hospital):
    """The last 300 messages that reached the engine, in order: a list of bytes."""
    return [message.bytes for message in _sent(hospital)[-300:]]


@lesson.input
def table(hospital):
    """Eastcliff's codes for PV1-15, Ambulatory Status, and those of HL7 table 0009 that they mean."""
    return {"PREG": "B6", "WCH": "A2", "STRETCH": "A2", "STICK": "A1", "OXY": "B1", "HEAR": "A6"}


@lesson.input
def ambulatory(hospital):
    """What stood in PV1-15 of Eastcliff's updates of one night, in order."""
    return _statuses(random.Random(f"ambulatory {hospital.seed}"))


@lesson.input
def ready_step(hospital):
    """A step that makes an ORM^O01 of an OMI^O23, ready made."""
    return OmiToOrm.solution


@lesson.input
def archive_modalities(hospital):
    """The codes of OBR-24 that HV_PACS takes: a tuple."""
    return imaging


# --- invented messages, for what the learner has not seen

def _digits(draw, count=6):
    return "".join(draw.choice("123456789") for _ in range(count))


def _pid(draw, numbers=None, name=None):
    numbers = numbers or f"HV{_digits(draw)}^^^{OURS}^MR"
    name = name or f"{draw.choice(FAMILIES)}^{draw.choice(GIVEN)}"
    return f"PID|1||{numbers}||{name}||19{draw.randrange(30, 99)}0{draw.randrange(1, 9)}1{draw.randrange(0, 9)}|{draw.choice('FM')}"


def _msh(draw, sender, event, version, control=None, marks="^~\\&", extra=""):
    zone = "+0200" if version == "2.3.1" else ""
    facility = "ECC" if sender == "ECC_RIS" else "HVGH"
    return (f"MSH|{marks}|{sender}|{facility}|{ENGINE}|HVGH|202504070{draw.randrange(1, 9)}15{draw.randrange(10, 59)}{zone}||{event}|"
            f"{control or 'X' + _digits(draw)}|P|{version}||||||UNICODE UTF-8{extra}")


def _orm(draw, sender="RIS", control=None, modality=None, patient=None, marks=None, order=None, request="NW", name=None):
    """An order of v2.3.1 with one step: an ``hl7.Message``."""
    number, start = order or _digits(draw), f"202504{draw.randrange(10, 29)}0{draw.randrange(7, 9)}3000+0200"
    modality = modality or draw.choice(("CT", "DX", "US", "MR"))
    pid = _pid(draw, f"{patient}^^^{OURS}^MR" if patient else None, name)
    made = hl7.parse("\r".join([
        _msh(draw, sender, "ORM^O01", "2.3.1", control), pid, f"PV1|1|{draw.choice('OIE')}",
        f"ORC|{request}|P{number}^HIS|F{number}^RIS||SC||1^once^^{start}^^R",
        f"OBR|1|P{number}^HIS|F{number}^RIS|{modality}X^{modality} EXAM^99HV^{modality}X-1^{modality} routine^99HV||||||||||||||"
        f"A25{_digits(draw, 8)}|RP{number}|SPS{number}||||{modality}|||1^once^^{start}^^R||||^{draw.choice(REASONS)}",
        f"ZDS|2.999.4.{number}^HVGH^Application^DICOM"]))
    if marks:
        made["MSH-2"] = marks
    return made


def _omi(draw, steps=None, control=None, extra=True, request="NW"):
    """An order of Eastcliff's with one or more steps, and with segments that a mapping by position stumbles over: an ``hl7.Message``."""
    wanted = [one for one in PROCEDURES if steps is None or len(one[2]) == steps]
    code, meaning, protocols = draw.choice(wanted)
    number, zone = _digits(draw), draw.choice(("", "+0200"))
    owner = f"EC-{_digits(draw, 5)}^^^{THEIRS}^MR"
    placer = f"P{number}^ECC_RIS|F{number}^ECC_RIS"
    lines = [_msh(draw, "ECC_RIS", "OMI^O23^OMI_O23", "2.5.1", control),
             _pid(draw, f"B{number}^^^{THEIRS}^PT~{owner}")]
    if extra:
        lines.append("NTE|1||IPC and TQ1 as agreed")
    lines.append("PV1|1|O||||||1004^ASHFORD^MIRIAM^^^DR")
    if extra:
        lines.append("AL1|1|DA|IODINE^Iodine^99EC|SV")
    doctor, priority = "1004^ASHFORD^MIRIAM^^^DR", draw.choice("SAR")
    lines += [f"ORC|{request}|{placer}||SC||||2025040708150{draw.randrange(0, 9)}|||{doctor}",
              f"TQ1|1||||||202504{draw.randrange(10, 29)}093500{zone}||{priority}",
              f"OBR|1|{placer}|{code}^{meaning}^99HV" + "|" * 12 + doctor + "|" * 14 + f"WALK|^{draw.choice(REASONS)}" + "|" * 13
              + f"{code}^{meaning}^99HV"]
    accession, uid = f"E25{_digits(draw, 7)}^ECC^2.999.1.2^ISO", f"2.999.3.{number}"
    letters = STEPS if len(protocols) > 1 else ("",)
    lines += [f"IPC|{accession}|RP{number}|{uid}|SPS{number}{letter}|{modality}|{protocol}^{text}^99HV|{modality}1|Radiology|{modality}1"
              for letter, (protocol, text, modality) in zip(letters, protocols)]
    if extra:
        lines.append(f"ZEC|{_digits(draw)}|Referred by phone")
    return hl7.parse("\r".join(lines))


def _adt(draw, trigger, sender="HIS", control=None, name=None):
    structure = {"A04": "ADT_A01", "A08": "ADT_A01", "A01": "ADT_A01", "A40": "ADT_A39"}.get(trigger, f"ADT_{trigger}")
    return hl7.parse("\r".join([_msh(draw, sender, f"ADT^{trigger}^{structure}", "2.5.1", control), "EVN||20250407081500+0200",
                                _pid(draw, name=name), "PV1|1|O|Outpatient clinic^^^HVGH"]))


# --- 1

def _read_by(text, segment, field, component, separator=None, marks=None, ends="\r\n", shift=0, repetitions=True, last=False, begins=False,
             looks_on=False, components_first=False):
    """As the solution, with one idea changed."""
    separator = separator or text[3]
    component_mark, repetition_mark = marks or text[4:6]
    found = ""
    for line in re.split(f"[{ends}]", text):
        fields = line.split(separator)
        if not (line.startswith(segment) if begins else fields[0] == segment):
            continue
        if segment == "MSH":
            fields[1:1] = [separator] * (1 - shift)
        if looks_on is True and field >= len(fields):
            continue
        one = fields[field] if field < len(fields) else ""
        one = one.split(repetition_mark)[0 if repetitions is True else -1] if repetitions and not components_first else one
        components = one.split(component_mark)
        found = components[component - 1] if component <= len(components) else ""
        found = found.split(repetition_mark)[0] if components_first else found
        if looks_on == "for content" and found == "":
            continue
        if not last:
            return found
    return found


def _what_was_read(text, segment, field, component):
    """What a case of exercise 1 asks for, in a sentence."""
    ends = "both" if "\r\n" in text else "a line feed" if "\n" in text and "\r" not in text else "a carriage return"
    marks = text[4:].split(text[3])[0]
    return (f"Asked was {segment}-{field}.{component}, in the first {segment} of the message. Here MSH-1 is `{text[3]}`, MSH-2 is "
            f"`{marks}`, and segments end with {ends}.")


@lesson.exercise
class ReadByHand:
    """Write the function `read(text, segment, field, component)`: it returns a component of a field, as it stands in the message.

    - `text` is a whole message, `segment` a name such as `"PID"`, `field` and `component` are numbers as the standard counts them.
      For `"MSH"`, `field` is 3 or more.
    - Take the separators from the message itself. Segments may end with `\\r`, with `\\n` or with both.
    - If a segment comes more than once, the first counts, and if a field has repetitions, the first, whatever they hold.
    - What is not there is `""`. What is there is returned as it stands: with its escapes, blanks and quotation marks.

    It will be tried on messages with other separators and other line ends.
    """

    answer = Function("read", result=Exact(str), about=_what_was_read)
    points = 3

    def solution(text, segment, field, component):
        separator, component_mark, repetition_mark = text[3], text[4], text[5]
        for line in text.replace("\n", "\r").split("\r"):
            fields = line.split(separator)
            if fields[0] != segment:
                continue
            if segment == "MSH":
                fields.insert(1, separator)
            if field >= len(fields):
                return ""
            first = fields[field].split(repetition_mark)[0]
            components = first.split(component_mark)
            if component > len(components):
                return ""
            return components[component - 1]
        return ""

    def cases(draw, omi, card):
        asked = (("MSH", 3, 1), ("MSH", 9, 1), ("MSH", 9, 2), ("MSH", 10, 1), ("MSH", 12, 1), ("PID", 3, 1), ("PID", 3, 4), ("PID", 3, 5),
                 ("PID", 3, 8), ("PID", 3, 9), ("PID", 5, 1), ("PID", 5, 2), ("PID", 5, 9), ("PID", 8, 1), ("PID", 40, 1),
                 ("PV1", 2, 1), ("PV1", 3, 1), ("PV1", 4, 1), ("PV1", 5, 1),
                 ("OBR", 4, 1), ("OBR", 4, 2), ("OBR", 4, 5), ("OBR", 5, 1), ("OBR", 31, 2),
                 ("ORC", 1, 1), ("AL1", 1, 1), ("DG1", 3, 1), ("DG1", 4, 1), ("DG1", 3, 2))
        texts = [omi, card]
        for marks, ends in ((("|", "^~\\&"), "\r"), (("|", "^~\\&"), "\n"), (("$", "*~\\&"), "\r"), (("|", "~^\\&"), "\n"),
                            (("#", "@!\\&"), "\r\n"), (("|", "!*\\&"), "\r\n"), (("|", "^~\\&#"), "\r")):
            number = _digits(draw)
            name = f"{draw.choice(FAMILIES)}^{draw.choice(GIVEN)}"
            message = hl7.parse("\r".join([
                _msh(draw, draw.choice(("HIS", "RIS")), "ORM^O01", "2.3.1"), "NTE|1||PID checked OBR checked",
                _pid(draw, f"{number}^^^{THEIRS}^PT~HV{number}^^^{OURS}^MR", name), 'PV1|1|O|""| R|~V1',
                "DG1|1||^Cough^I10||20250401", "DG1|2||R05^Cough, second^I10|Cough|20250402", f"ORC|NW|P{number}^HIS",
                rf"OBR|1|P{number}^HIS||CTHD^CT HEAD \T\ NECK^99HV^CTHD-1^CT HEAD routine ",
                f"OBR|2|P{number}^HIS||CTTH^CT THORAX^99HV|R{'|' * 26}^Fall"]))
            message["MSH-1"], message["MSH-2"] = marks
            text = message.encode().decode("utf-8").replace("\r", ends).rstrip("\r\n")
            # A line feed inside a text: what follows looks like a segment at its beginning only.
            texts.append(text.replace("PID checked OBR checked", "see below\nPID checked\nOBR checked") if ends == "\r" else text)
        return [(text, *one) for text in texts for one in asked]

    def usual_separators(text, segment, field, component):
        return _read_by(text, segment, field, component, "|", "^~")

    def usual_marks(text, segment, field, component):
        return _read_by(text, segment, field, component, None, "^~")

    def msh_one_off(text, segment, field, component):
        return _read_by(text, segment, field, component, shift=1)

    def line_feeds_only(text, segment, field, component):
        return _read_by(text, segment, field, component, ends="\n")

    def carriage_returns_only(text, segment, field, component):
        return _read_by(text, segment, field, component, ends="\r")

    def no_repetitions(text, segment, field, component):
        return _read_by(text, segment, field, component, repetitions=False)

    def components_first(text, segment, field, component):
        return _read_by(text, segment, field, component, components_first=True)

    def last_repetition(text, segment, field, component):
        return _read_by(text, segment, field, component, repetitions="last")

    def last_segment(text, segment, field, component):
        return _read_by(text, segment, field, component, last=True)

    def marks_exchanged(text, segment, field, component):
        return _read_by(text, segment, field, component, None, text[5] + text[4])

    def counted_from_nought(text, segment, field, component):
        return _read_by(text, segment, field, component + 1)

    def beginning_of_the_line(text, segment, field, component):
        return _read_by(text, segment, field, component, begins=True)

    def looked_on(text, segment, field, component):
        return _read_by(text, segment, field, component, looks_on=True)

    def looked_for_content(text, segment, field, component):
        return _read_by(text, segment, field, component, looks_on="for content")

    def unescaped(text, segment, field, component):
        return hl7.unescape(ReadByHand.solution(text, segment, field, component))

    def blanks_stripped(text, segment, field, component):
        return ReadByHand.solution(text, segment, field, component).strip()

    wrong_ways = {
        usual_separators: "Your function takes `|`, `^` and `~` for granted. They are only what is usual: MSH-1 and MSH-2 of each message "
        "say what separates in *it* (HL7 v2.5.1 section 2.5.4). Cardiology's messages would be read without an error, and wrongly.",
        usual_marks: "MSH-1 you read from the message, but not the component and repetition separators: those stand in MSH-2, "
        "first and second character.",
        msh_one_off: "In MSH you are one field too far. The separator behind the letters MSH *is* MSH-1, so a split has swallowed a field "
        "that the standard counts (2.15.9.1). All other segments are right.",
        line_feeds_only: "You split at line feeds. A segment ends with a carriage return, `\\r` (2.5.4): a message as the standard wants "
        "it is one single line for your function.",
        carriage_returns_only: "You split at carriage returns only, as the standard says. Cardiology sends line feeds, though, and an "
        "engine has to live with them: of its messages your function sees one line, or names with a line feed before them.",
        no_repetitions: "You did not separate repetitions: what comes behind the repetition separator hangs on to the component in front "
        "of it, or counts as a component more.",
        components_first: "You separated the components before the repetitions. Then the components of all repetitions stand in one row, "
        "and the eighth of PID-3 is one of its second repetition. A field consists of repetitions, and *each* of these of components.",
        last_repetition: "You took the last repetition of the field; the first is asked.",
        last_segment: "Where a segment comes twice you took the last one. A loop that finds what it looks for has to "
        "end, and `return` ends it.",
        marks_exchanged: "Component and repetition separator are exchanged. In MSH-2 the component separator comes first, then repetition, "
        "escape and subcomponent (2.5.4).",
        counted_from_nought: "The component you return is the one behind. The standard counts components from 1, Python from 0.",
        beginning_of_the_line: "You asked whether a line *begins* with the name. In one message a note has line feeds in its text, and a "
        "line of it begins with `PID checked`: no segment. The name is the whole of part 0, up to the first separator.",
        looked_on: "Where the first segment of the name lacks the field, you went on to the next one. The first counts: the second OBR is "
        "about another exam, and what the first does not say is `\"\"`.",
        looked_for_content: "Where the first segment of the name has nothing in that place, you went on to the next one. The first counts, "
        "whatever it holds: the code of the second diagnosis is not that of the first, which has none.",
        unescaped: "You undid the escapes. Asked is the component as it stands in the message: it may go on into another one, where "
        "a bare `&` would separate.",
        blanks_stripped: "You took the blanks off the end. Asked is the component as it stands; whether blanks "
        "count is for whoever uses it.",
    }
    hints = [
        "Three characters of the text say what separates: `text[3]` is MSH-1, and MSH-2 begins at `text[4]`.",
        'Make all line ends the same, `text.replace("\\n", "\\r")`, and split there. An empty line does no harm: nobody '
        "asks for its name.",
        "For each line: split it at MSH-1. Its part 0 is the name of the segment, so `fields[field]` is the field. But not so in MSH: "
        "put in what the split has swallowed, `fields.insert(1, text[3])`.",
        "Field found: split off the first repetition, then the components. Before you take `fields[field]` or a component, ask with "
        '`len()` whether it is there; if not, `return ""`. The last line of the function, behind the loop, is `return ""` too.',
    ]
    praise = "It reads every sender in the house, because it believes none of them to be usual."


# --- 2

def _label_where(message, wanted):
    """As the solution, with another condition on the number: a function of CX.4, CX.5 and the whole identifier."""
    mrn = ""
    for number in message["PID-3"].split("~"):
        parts = number.split("^") + [""] * 5
        if wanted(parts[3], parts[4], number):
            mrn = parts[0]
    return {**PatientAndReason.solution(message), "mrn": mrn}


def _what_is_wrong_on_the_screen(case, shown):
    """Which entry of exercise 2 is wrong, and what stands in the message there, in a sentence."""
    (message,) = case
    right = PatientAndReason.solution(message)
    for name, place in (("mrn", "PID-3"), ("family", "PID-5"), ("reason", "OBR-31")):
        if shown[name] != right[name]:
            return f"Its entry `{name}` is not right: {place} is {f'`{message[place]}`' if message[place] else 'empty'}."
    return None


@lesson.exercise
class PatientAndReason:
    """Write the function `label(message)`: what a screen in the reading room shows of an order. `message` is what `hl7.parse` returns; it
    returns a dictionary with

    - `"mrn"`: the number that **our hospital** gave the patient, the repetition of PID-3 whose assigning authority is HVGH (the first
      subcomponent of CX.4) and whose type is `MR` (CX.5); `""` if there is none. Some repetitions say neither authority nor type;
    - `"family"`: the surname, PID-5.1, its first subcomponent;
    - `"reason"`: the text of OBR-31.2; `""` if there is none, whatever else OBR-31 says.

    A screen is no HL7 message: `family` and `reason` stand there **without escapes**.
    """

    answer = Function("label", result=Exact(dict, {"mrn": str, "family": str, "reason": str}), remark=_what_is_wrong_on_the_screen)
    points = 2

    def solution(message):
        mrn = ""
        for number in message["PID-3"].split("~"):
            parts = number.split("^")
            if len(parts) >= 5 and parts[3].split("&")[0] == "HVGH" and parts[4] == "MR":
                mrn = parts[0]
        return {
            "mrn": mrn,
            "family": hl7.unescape(message["PID-5.1.1"]),
            "reason": hl7.unescape(message["OBR-31.2"]),
        }

    def cases(draw, omi, card):
        found = [hl7.parse(omi), hl7.parse(card)]
        names = (r"O\T\K SON&O\T\K&SON^ANNA", "VAN DER VEER&VAN DER&VEER^JOOST", r"HAR\S\T^LIV")
        reasons = (r"R52^Pain \S\ fever^I10", r"^Cough \T\ fever", r"^6\S\8 mm \T\ nodes\.br\see letter", r"^The RIS shows \E\T\E\ for it")
        numbers = ("{0}^^^ECC&2.999.1.2&ISO^MR~HV{0}^^^HVGH&2.999.1.1&ISO^MR", "{0}^^^HVGH&2.999.1.1&ISO^VN~HV{0}^^^HVGH&2.999.1.1&ISO^MR",
                   "HV{0}^^^HVGH&2.999.1.1&ISO^MR~{0}^^^HVGH&2.999.1.1&ISO^VN", "EC-{0}^^^ECC&2.999.1.2&ISO^MR",
                   "HV{0}^^^HVGH&2.999.1.1&ISO^MR~{0}^^^NMH&2.999.1.9&ISO^PI", "{0}^^^^SS", "{0}", "HV{0}^^^HVGH^MR~EC-{0}^^^ECC^MR",
                   "HV{0}^^^HVGH&2.999.1.1&ISO^MR^HVGH~EC-{0}^^^ECC&2.999.1.2&ISO^MR^ECC", "EC-{0}^^^ECC&2.999.1.2&ISO^MR^HVGH",
                   "{0}^^^ECC&2.999.1.2&ISO^PI^HVGH&2.999.1.1&ISO^MR", "L{0}^^^HVGHLAB&2.999.1.7&ISO^MR", "HVT{0}^^^HVGH&2.999.1.1&ISO^MRT",
                   "N{0}^^^NEWHVGH&2.999.1.8&ISO^MR", "HV{0}^^^NMH&2.999.1.9&ISO^MR",
                   "{0}^^^ECC&2.999.1.2&ISO^MR~V{0}^^^HVGH&2.999.1.1&ISO^VN~HV{0}^^^HVGH&2.999.1.1&ISO^MR")
        for place, number in enumerate(numbers):
            one = _orm(draw)
            one["PID-3"], one["PID-5"], one["OBR-31"] = number.format(_digits(draw)), names[place % 3], reasons[place % 4]
            found.append(one)
        typed, unsaid, coded = _orm(draw, name="de Wit&de&Wit^Noor"), _orm(draw), _orm(draw)
        unsaid["OBR-31"], coded["OBR-31"] = "", "R52"
        return [(one,) for one in [*found, typed, unsaid, coded]]

    def first_number(message):
        return {**PatientAndReason.solution(message), "mrn": message["PID-3.1"]}

    def any_authority(message):
        numbers = [one.split("^") for one in message["PID-3"].split("~")]
        return {**PatientAndReason.solution(message), "mrn": next((one[0] for one in numbers if len(one) > 4 and one[4] == "MR"), "")}

    def any_type(message):
        numbers = [one.split("^") for one in message["PID-3"].split("~")]
        ours = [one[0] for one in numbers if len(one) > 3 and one[3].split("&")[0] == "HVGH"]
        return {**PatientAndReason.solution(message), "mrn": ours[0] if ours else ""}

    def any_authority_last(message):
        return _label_where(message, lambda authority, kind, number: kind == "MR")

    def any_type_last(message):
        return _label_where(message, lambda authority, kind, number: authority.split("&")[0] == "HVGH")

    def authority_begins(message):
        return _label_where(message, lambda authority, kind, number: authority.startswith("HVGH") and kind == "MR")

    def authority_contains(message):
        return _label_where(message, lambda authority, kind, number: "HVGH" in authority and kind == "MR")

    def anywhere_in_the_number(message):
        return _label_where(message, lambda authority, kind, number: "HVGH" in number and "MR" in number)

    def at_the_end_of_the_number(message):
        return _label_where(message, lambda authority, kind, number: "HVGH" in number and number.endswith("MR"))

    def not_asked_how_many(message):
        mrn = ""
        for number in message["PID-3"].split("~"):
            parts = number.split("^")
            if parts[3].split("&")[0] == "HVGH" and parts[4] == "MR":
                mrn = parts[0]
        return {**PatientAndReason.solution(message), "mrn": mrn}

    def unescaped_twice(message):
        found = PatientAndReason.solution(message)
        return {**found, "family": hl7.unescape(found["family"]), "reason": hl7.unescape(found["reason"])}

    def authority_whole(message):
        mrn = ""
        for number in message["PID-3"].split("~"):
            parts = number.split("^")
            if len(parts) >= 5 and parts[3] == "HVGH" and parts[4] == "MR":
                mrn = parts[0]
        return {**PatientAndReason.solution(message), "mrn": mrn}

    def escapes_left(message):
        return {**PatientAndReason.solution(message), "family": message["PID-5.1.1"], "reason": message["OBR-31.2"]}

    def unescaped_too_early(message):
        reason, name = (hl7.unescape(message[place]).split("^") for place in ("OBR-31", "PID-5"))
        return {**PatientAndReason.solution(message), "family": name[0].split("&")[0], "reason": (reason + ["", ""])[1]}

    def family_with_escapes(message):
        return {**PatientAndReason.solution(message), "family": message["PID-5.1.1"]}

    def reason_with_escapes(message):
        return {**PatientAndReason.solution(message), "reason": message["OBR-31.2"]}

    def family_unescaped_too_early(message):
        return {**PatientAndReason.solution(message), "family": PatientAndReason.unescaped_too_early(message)["family"]}

    def surname_unescaped_too_early(message):
        return {**PatientAndReason.solution(message), "family": hl7.unescape(message["PID-5.1"]).split("&")[0]}

    def reason_unescaped_too_early(message):
        return {**PatientAndReason.solution(message), "reason": PatientAndReason.unescaped_too_early(message)["reason"]}

    def upper_case(message):
        found = PatientAndReason.solution(message)
        return {**found, "family": found["family"].upper()}

    def whole_surname(message):
        return {**PatientAndReason.solution(message), "family": hl7.unescape(message["PID-5.1"])}

    def code_of_the_reason(message):
        return {**PatientAndReason.solution(message), "reason": hl7.unescape(message["OBR-31.1"])}

    wrong_ways = {
        first_number: "You took the first number of PID-3, whoever gave it. Eastcliff puts a number of its own there first, and the "
        "order of the repetitions means nothing: CX.4 and CX.5 say whose number each is.",
        any_authority: "You took the first number of the type MR. Every hospital calls its own numbers MR; whose it is, the assigning "
        "authority says, CX.4. A number without its authority may belong to another patient here.",
        any_type: "You looked at the authority alone. Our hospital gives visit numbers (VN) and others as well: CX.5 tells which is the "
        "medical record number.",
        any_authority_last: "You looked at the type alone, and took the last number that is an MR. Every hospital calls its own numbers "
        "so; whose it is, the assigning authority says, CX.4.",
        any_type_last: "You looked at the authority alone, and took the last number that is ours. A visit number (VN) and a temporary one "
        "(MRT) are ours as well: CX.5 tells the medical record number.",
        authority_begins: "You asked whether CX.4 *begins* with HVGH. The laboratory's own authority, HVGHLAB, begins so too, and its "
        "numbers are others. Take the first subcomponent, and compare it whole.",
        authority_contains: "You asked whether CX.4 has HVGH *somewhere* in it. So have HVGHLAB and NEWHVGH, whose numbers are others. "
        "Take the first subcomponent, and compare it whole.",
        anywhere_in_the_number: "You looked for `HVGH` and `MR` anywhere in the identifier. CX.6, the facility where a number was given "
        "out, may say HVGH as well, and MRT has MR in it. Take CX.4 and CX.5, and compare them whole.",
        at_the_end_of_the_number: "You looked for `HVGH` somewhere and for `MR` at the end. CX has more components behind the type: CX.6 "
        "is the facility where the number was given out. Take CX.4 and CX.5 by their places.",
        not_asked_how_many: "A repetition with fewer than five components has no `parts[4]`: some numbers come without authority and type. "
        "Ask `len(parts)` first, or let the library look: `message[\"PID-3[2].4.1\"]` is `\"\"` for what is not there.",
        unescaped_twice: "You undid the escapes twice. `\\E\\T\\E\\` stands for the three characters `\\T\\`, which somebody typed; the "
        "second time they become an `&` that nobody typed.",
        authority_whole: "You compared the whole of CX.4 with `HVGH`. That component has parts of its own, HVGH&2.999.1.1&ISO: namespace, "
        "universal ID and its type. Some senders leave the last two out, so compare the first.",
        escapes_left: "On the screen stands `\\T\\` where the doctor typed `&`. A text that leaves HL7 has to be unescaped (section "
        "2.7); one that goes from message to message must not be.",
        unescaped_too_early: "You unescaped the field before you took it apart. Then a `^` or `&` that somebody *typed* separates like "
        "one that the sender put in. First take apart, then unescape the part.",
        family_with_escapes: "The surname still has its escapes: on the screen stands `\\T\\` where an `&` belongs to the name. A text "
        "that leaves HL7 has to be unescaped (section 2.7), names too.",
        reason_with_escapes: "The reason still has its escapes: on the screen stands `\\T\\` where the doctor typed `&`. A text that "
        "leaves HL7 has to be unescaped (section 2.7).",
        family_unescaped_too_early: "You unescaped the name before you took it apart. Then an `&` or `^` that *belongs* to the name "
        "separates like one that the sender put in. First take apart, then unescape the part.",
        surname_unescaped_too_early: "You unescaped PID-5.1 before you took its subcomponents apart. Then an `&` that *belongs* to the "
        "name separates like one that the sender put in. First take apart, then unescape the part.",
        reason_unescaped_too_early: "You unescaped OBR-31 before you took it apart. Then a `^` that the doctor *typed* separates like "
        "one that the sender put in. First take apart, then unescape the part.",
        upper_case: "You wrote the surname in capitals. Asked is the name as it is: who is called de Wit is not DE WIT.",
        whole_surname: "Surnames may have parts (XPN.1 is of type FN since v2.4): the whole, then prefix and own surname, with `&` "
        "between. Only the first subcomponent goes onto the screen.",
        code_of_the_reason: "OBR-31 is a coded element: OBR-31.1 is the code, the text is the second component.",
    }
    hints = [
        'Go through the repetitions: `for number in message["PID-3"].split("~"):`. What parse returns uses the usual separators whatever '
        "the sender used.",
        "`parts = number.split(\"^\")`; then parts[3] is CX.4 and parts[4] is CX.5, if there are so many: ask `len(parts)` "
        "first. CX.4 has subcomponents.",
        "The library goes down to subcomponents, as in `message[\"PID-3.4.2\"]`, and `hl7.unescape(...)` undoes the escapes of a part that "
        "you have taken out.",
    ]
    praise = ("Whose number, which part, and unescaped at the very end: most wrong patients and garbled texts on screens "
              "come from one of these three.")


# --- 3

def _dtm(ts, zone, pad=False, precision=True, zeros=True, dates=False, replace=False, keep=True, default=True, utc=False, null=True,
          strip=False):
    """As the solution, with one idea changed."""
    if ts == "" or (ts == '""' and null):
        return ts
    if ts == '""':
        return ""
    found = re.fullmatch(r"([\d.]*)([+-]\d{4})?(?:\^(.?))?", ts)
    digits, offset, degree = found[1], found[2] or "", found[3] or ""
    if strip:
        digits = digits.rstrip("0") if "." not in digits else digits
    if zeros is True or zeros == "bare" and re.fullmatch(r"\d{8}", ts):
        digits = digits[:6] if digits[6:8] == "00" else digits
        digits = digits[:4] if digits[4:6] == "00" else digits
    if precision:
        digits = digits[:{"Y": 4, "L": 6, "D": 8, "H": 10, "M": 12, "S": 14}.get(degree, len(digits))]
    if pad:
        digits = digits + "00000101000000"[len(digits):] if len(digits) < 14 else digits
    if not keep:
        offset = ""
    if replace and zone:
        offset = zone
    if len(digits) <= 8 and not dates:
        return digits
    if utc and (offset or zone):
        shift = offset or zone
        minutes = int(shift[0] + "1") * (int(shift[1:3]) * 60 + int(shift[3:]))
        whole, dot, rest = digits.partition(".")
        at = datetime.strptime(whole.ljust(14, "0"), "%Y%m%d%H%M%S") - timedelta(minutes=minutes)
        return at.strftime("%Y%m%d%H%M%S")[:len(whole)] + dot + rest + "+0000"
    return digits + (offset or (zone if default else ""))


def _what_ts_says(ts, zone):
    """What a case of exercise 3 is about, in a sentence that does not hold the right value."""
    if ts in ("", '""'):
        return "That is no time; it stays as it is."
    digits = re.match(r"\d*", ts)[0]
    degree = ts.partition("^")[2]
    offset = re.search(r"[+-]\d{4}", ts)
    said = [f"It came with {len(digits)} digits before a point, offset or `^`"]
    if "00" in (digits[4:6], digits[6:8]):
        said.append("its month or day is `00`")
    if "." in ts:
        said.append(f"it has a fraction of a second{', which is finer than S' * (degree == 'S')}")
    if degree:
        said.append(f"its degree of precision is {degree}")
    said.append("it has an offset of its own" if offset else f"it has no offset, and MSH-7 has {zone or 'none either'}")
    return ", ".join(said) + "."


@lesson.exercise
class TimeStamps:
    r"""The EMR's new interface takes v2.8, where TS has become DTM. Write the function `dtm(ts, zone)`.

    - `ts` is a field of type TS as it came: a time, and perhaps, after a `^`, the degree of precision (table 0529: Y year, L month, D day,
      H hour, M minute, S second). `zone` is the offset in MSH-7 of the same message, such as `"+0200"`, or `""` if it has none.
    - It returns the time alone, **as precise as it was meant**: never more digits than came, and no more than the degree of precision says.
      Month or day `00` means not known: `"19700000"` becomes `"1970"`, `"19700700"` becomes `"197007"`.
    - A time with hours keeps an offset of its own as it is, and gets `zone` if it has none. What has no hours gets, and keeps, no offset.
      (DTM would allow one there; here a day is a day of the calendar, and no instant.)
    - An empty text, and the two quotation marks `'""'`, stay as they are.
    """

    answer = Function("dtm", result=Exact(str), about=_what_ts_says)
    points = 3

    def solution(ts, zone):
        if ts == "" or ts == '""':
            return ts
        parts = ts.split("^")
        digits, offset = parts[0], ""
        for sign in ("+", "-"):
            if sign in digits:
                digits, offset = digits.split(sign)
                offset = sign + offset
        if digits[6:8] == "00":
            digits = digits[:6]
        if digits[4:6] == "00":
            digits = digits[:4]
        length = {"Y": 4, "L": 6, "D": 8, "H": 10, "M": 12, "S": 14}
        if len(parts) > 1 and parts[1] in length:
            digits = digits[:length[parts[1]]]
        if len(digits) <= 8:
            return digits
        if offset == "":
            offset = zone
        return digits + offset

    def cases(draw):
        day = f"202503{draw.randrange(10, 29)}"
        clock = f"0{draw.randrange(1, 9)}{draw.randrange(10, 59)}{draw.randrange(10, 59)}"
        year, month = f"19{draw.randrange(40, 99)}", draw.choice(("07", "10", "11"))
        return [
            (day + clock + "+0200", "+0200"), (day + clock, "+0200"), (day + clock, ""), (day + clock + "-0500", "+0200"), (day, "+0200"),
            (year + "0000", "+0100"), (year + month + "00", "+0100"), (year + "1000", ""), (year, "+0200"), (year + month, ""),
            (day + "000000^D", "+0200"), (day + clock + "^M", "+0200"), (year + "0817000000^Y", ""), (year + "0817^L", "+0100"),
            (day + clock + ".2500^S", "+0100"), (day + clock + ".25-0500", "+0200"), (day + clock[:2], "+0200"), (day + clock[:4], ""),
            ("198807050000", "+0100"), (day + "0000", ""), (day + clock + "+0000^S", "+0200"), (day + "000000+0200^D", "+0200"),
            (year + "0000000000", "+0100"), (year + "0000^D", ""), (year + month + "00+0100", "+0100"), (year + month + "00000000^S", ""),
            (day + "^S", "+0200"), (day + clock + "^H", "+0100"), ("", "+0200"), ('""', "+0200"), ('""', ""), (day + clock + "^", "+0200"),
            (day + "000000", "+0200"), (day + clock[:4] + "00", "+0100"), (day + clock + ".123400", ""), (day + clock, "-0330"),
            (day + clock + ".2500^M", "+0100"),
        ]

    def padded(ts, zone):
        return _dtm(ts, zone, pad=True)

    def precision_ignored(ts, zone):
        return _dtm(ts, zone, precision=False)

    def zeros_kept(ts, zone):
        return _dtm(ts, zone, zeros=False)

    def zeros_of_bare_dates(ts, zone):
        return _dtm(ts, zone, zeros="bare")

    def zeros_stripped(ts, zone):
        return _dtm(ts, zone, zeros=False, strip=True)

    def offset_on_dates(ts, zone):
        return _dtm(ts, zone, dates=True)

    def offset_replaced(ts, zone):
        return _dtm(ts, zone, replace=True)

    def offset_lost(ts, zone):
        return _dtm(ts, zone, keep=False, default=False)

    def default_forgotten(ts, zone):
        return _dtm(ts, zone, default=False)

    def turned_into_utc(ts, zone):
        return _dtm(ts, zone, utc=True)

    def deletion_lost(ts, zone):
        return _dtm(ts, zone, null=False)

    wrong_ways = {
        padded: "You filled up what is missing. `1970` with month, day and hours added is the midnight of a New Year on which nobody was "
        "born: a precision is claimed that nobody had. The number of digits *is* the precision (2.A.22).",
        precision_ignored: "You dropped the degree of precision behind the `^` without doing what it says: `...000000^D` is a day, and "
        "its zeros are no midnight.",
        zeros_kept: "A month or day `00` is no part of any calendar: some senders write it for *not known*, and the next receiver stops "
        "there with a date error. Leave out what is not known.",
        zeros_of_bare_dates: "You look for a month or day `00` only in a text of eight digits. Hours, an offset or a degree of precision "
        "may stand behind it, as in `19700000000000`: the places 5 to 8 are month and day all the same.",
        zeros_stripped: "You took all zeros off the end. `0000` behind a day is midnight, the month `10` ends with a zero, and so do many "
        "minutes. Only a `00` in the place of the month or the day means not known.",
        offset_on_dates: "A date of birth got an offset from UTC. A day without hours has none: with one, some systems "
        "move it to the day before.",
        offset_replaced: "You put the offset of MSH-7 in place of one that the time had itself. MSH-7 gives only the default, for times "
        "without (2.A.22, 2.15.9.7).",
        offset_lost: "The offsets are gone. Without them nobody can say, in the night on which the clocks change, whether "
        "02:30 was before or after.",
        default_forgotten: "A time without an offset of its own is meant in that of MSH-7, where there is one (2.A.22). Your result no "
        "longer says it, because each DTM goes its own way from here.",
        turned_into_utc: "You turned the times into UTC. The instants are right, but not what was asked: the wall clock of the sender is "
        "part of what was documented, and it is lost so. Keep digits and offset.",
        deletion_lost: 'Two quotation marks are a command: delete what you have (2.5.3). Your function makes *no change* of it.',
    }
    hints = [
        "First the two values that stay as they are. Then `ts.split(\"^\")`: part 0 is the time, part 1, if there is "
        "one, the degree of precision.",
        "The offset begins with `+` or `-`. Split the time there and keep the sign.",
        "Digits 5 and 6 are the month, 7 and 8 the day: in Python `digits[4:6]` and `digits[6:8]`. A degree of precision cuts off: a "
        "dictionary from letter to number of digits, and `digits[:number]`.",
        "At the end: eight digits or fewer, then no offset. Else its own, or if it has none, `zone`.",
    ]
    praise = "Nothing was made more exact than it was, and every time still says on whose clock. That is all there is to TS and DTM."


# --- 4

def orm_parts(message):
    """The parts of a message as ``hl7.parts`` has them, without what the exercise leaves free: ORM_O01 or nothing in MSH-9.3, quantity
    and interval of the timing, the issuer's name in ZDS, and in which order the Z segments stand at the end."""
    found = hl7.parts(message)
    names = found["segments"].split()
    last = len(names)
    while names[last - 1][0] == "Z":                     # MSH, at the latest, is none
        last -= 1
    found["segments"] = " ".join(names[:last] + sorted(names[last:]))
    if found.get("MSH-9.3") == "ORM_O01":
        del found["MSH-9.3"]
    return {part: value for part, value in found.items()
            if not re.fullmatch(r"(ORC(\[\d+\])?-7|OBR(\[\d+\])?-27)\.[12]|ZDS(\[\d+\])?-1\.2", part)}


class _Stopped:
    def __repr__(self):
        return "it stopped with an exception"


STOPPED = _Stopped()


class _WentOn:
    """What a step returned where it had to stop."""

    def __init__(self, returned):
        self.returned = returned

    def __repr__(self):
        return "None" if self.returned is None else describe(self.returned)


class Order(Message):
    """A message; or, where a step has stopped, that it has."""

    def read(self, given):
        """{part: value}."""
        if given is STOPPED:
            return {"an exception": "was raised"}
        return {"an exception": "was not raised"} if type(given) is _WentOn else super().read(given)

    def difference(self, answer, other):
        """None when both say the same in all parts."""
        found = super().difference(answer, other)
        if found is None:
            return None
        more = ""
        if found.message == "ZDS-1.1 is missing.":
            more = "Was IPC-3.1 read, and from a message that still had its IPC?"
        if found.message == "MSH-9.3 does not belong there.":
            more = "It names the structure of the message; that of an ORM^O01 is ORM_O01, and it may be left out."
        if found.message == "segments is not right.":
            return Difference(_wrong_segments(answer["segments"].split(), other["segments"].split()), found.label)
        return Difference(f"{found.message} {more}".strip(), found.label)


def _wrong_segments(given, right):
    """What is wrong with the names of a message's segments, in a sentence."""
    for name in given + right:
        if given.count(name) != right.count(name):
            return f"It has {given.count(name)} {name}, which is too {'few' if given.count(name) < right.count(name) else 'many'}."
    place = next(place for place, (one, other) in enumerate(zip(given, right)) if one != other)
    return (f"All segments are there, but not in the order that is asked: segment {place + 1}, counted from 1, is {given[place]}, and "
            "another has to stand there.")


class Step(Function):
    """A step of a channel: a function of a message that returns another.

    stops : a function of the message: whether the step has to stop with an exception, whichever
    """

    def __init__(self, variables, result, stops, about=None):
        super().__init__(variables, result, about)
        self.stops = stops

    def judge(self, exercise, given, editions):
        """As for every Function."""
        return super().judge(exercise, (self._stopping(given[0]) if callable(given[0]) else given[0],), editions)

    def _results(self, exercise, function, cases, hospital):
        parent = super()._results
        return exercise.remembered((self, function), hospital, lambda: parent(exercise, self._stopping(function), cases, hospital))

    def _stopping(self, function):
        def tried(message):
            stops = self.stops(message)
            try:
                returned = function(message)
            except Exception:
                if stops:
                    return STOPPED
                raise
            if stops and not (isinstance(returned, (hl7.Message, str, bytes)) and returned):
                return _WentOn(returned)
            return returned

        return tried


def _what_has_to_stop(message):
    """A sentence on an order that can't be mapped."""
    if "IPC" in message:
        return None
    return ("This order has no IPC, so there is nothing to map: the step has to stop with an exception, not to return something. "
            'Reading does not stop it, because what is not there is `""`.')


def _each_step(message, change):
    made = OmiToOrm.solution(message)
    for request, order, step in zip(made.segments("OBR"), made.segments("ORC"), message.segments("IPC")):
        change(request, order, step)
    return made


@lesson.exercise
class OmiToOrm:
    """Write the step `to_orm(message)`. It is given an order of Eastcliff's, an OMI^O23 of v2.5.1 as `hl7.parse` returns it, and returns
    the ORM^O01 of v2.3.1 that HV_PACS takes:

    | from | to |
    |---|---|
    | IPC-1.1, accession number | OBR-18 |
    | IPC-2.1, requested procedure ID | OBR-19 |
    | IPC-4.1, scheduled procedure step ID | OBR-20 |
    | IPC-5.1, modality | OBR-24 |
    | IPC-6.1 to 6.3, protocol code | OBR-4.4 to 4.6 |
    | TQ1-7.1, start | ORC-7.4 and OBR-27.4 |
    | TQ1-9.1, priority | ORC-7.6 and OBR-27.6 |
    | IPC-3.1, Study Instance UID | ZDS-1, one ZDS behind all pairs: `ZDS\\|<uid>^HVGH^Application^DICOM` |

    - **For every IPC** there is a pair of ORC and OBR, each a copy of the one that came, OBR-1 counted from 1.
    - Components 1 and 2 of the timing, quantity and interval, may be empty or `1^once`, as IHE's RAD-4 has them. What TQ1 does not say
      stays empty. ORC-7 and OBR-27 come empty.
    - MSH-9 and MSH-12 say what it is now; TQ1 and IPC, which v2.3.1 does not have, are gone. Everything else stays as it came: other
      fields, other segments in their places, escapes.
    - An order **without IPC** can't be mapped: the step stops with an exception, whichever.

    Whether you change the message that you are given or a copy is up to you: an engine reads a message anew for each channel.
    """

    answer = Step("to_orm", result=Order("result", reading=orm_parts, objects=(hl7.Message,)), stops=lambda message: "IPC" not in message,
                  about=_what_has_to_stop)
    points = 4

    def solution(message):
        steps = message.segments("IPC")
        if len(steps) == 0:
            raise ValueError("an order without IPC")
        made = message.copy()
        made["MSH-9"] = "ORM^O01"
        made["MSH-12"] = "2.3.1"
        start = message["TQ1-7.1"]
        priority = message["TQ1-9.1"]
        timing = f"1^once^^{start}^^{priority}"
        order = made.segment("ORC")
        request = made.segment("OBR")
        for number, step in enumerate(steps, 1):
            if number > 1:
                order = made.add(order, after=request)
                request = made.add(request, after=order)
            order["7"] = timing
            request["1"] = str(number)
            request["4.4"] = step["6.1"]
            request["4.5"] = step["6.2"]
            request["4.6"] = step["6.3"]
            request["18"] = step["1.1"]
            request["19"] = step["2.1"]
            request["20"] = step["4.1"]
            request["24"] = step["5.1"]
            request["27"] = timing
        made.remove("TQ1")
        made.remove("IPC")
        uid = steps[0]["3.1"]
        made.add(f"ZDS|{uid}^HVGH^Application^DICOM")
        return made

    def cases(draw, omi, petct):
        found = [hl7.parse(omi), hl7.parse(petct), _omi(draw, 1, extra=False), _omi(draw, 2, extra=False)]
        found += [_omi(draw, steps, request=request) for steps, request in ((1, "NW"), (2, "NW"), (3, "XO"), (2, "CA"))]
        # Parts that may say more than is asked for: each in an order of its own, so that each mistake is told by itself.
        for places, more in ((("2", "4"), "^ECC_RIS"), (("5",), "^as planned^99EC"), (("3",), "^ECC_RIS"),
                             (("6",), "^ALT^as the ward calls it^99EC"),
                             (("6.2",), r" \T\ neck")):
            said = _omi(draw, 2)
            for step in said.segments("IPC"):
                for place in places:
                    step[place] = step[place] + more
            found.append(said)
        urgent, rough, unsaid, many = _omi(draw, 1), _omi(draw, 2), _omi(draw, 1), _omi(draw, 3)
        urgent["TQ1-9"] = "S^Stat^HL70485"
        rough["TQ1-7"] = rough["TQ1-7"] + "^M"
        unsaid["TQ1-9"] = unsaid["OBR-1"] = ""
        further = many.add(many.segments("IPC")[-1], after=many.segments("IPC")[-1])         # another protocol of the last step
        further["5"], further["6"] = "ES", "ENDO-1^Endoscopy^99HV"
        broken = _omi(draw, 1)
        broken.remove("IPC")
        return [(one,) for one in [*found, urgent, rough, unsaid, many, broken]]

    def first_step_only(message):
        message = message.copy()
        for step in message.segments("IPC")[1:]:
            message.remove(step)
        return OmiToOrm.solution(message)

    def last_step_only(message):
        message = message.copy()
        for step in message.segments("IPC")[:-1]:
            message.remove(step)
        return OmiToOrm.solution(message)

    def same_step_again(message):
        made = OmiToOrm.solution(message)
        for request in made.segments("OBR"):
            for place in ("4", "20", "24"):
                request[place] = made["OBR-" + place]
        return made

    def whole_accession(message):
        return _each_step(message, lambda request, order, step: request.__setitem__("18", step["1"]))

    def whole_ids(message):
        def whole(request, order, step):
            request["19"], request["20"] = step["2"], step["4"]

        return _each_step(message, whole)

    def whole_step_id(message):
        return _each_step(message, lambda request, order, step: request.__setitem__("20", step["4"]))

    def whole_modality(message):
        return _each_step(message, lambda request, order, step: request.__setitem__("24", step["5"]))

    def whole_uid(message):
        made = OmiToOrm.solution(message)
        made["ZDS-1"] = f"{message['IPC-3']}^HVGH^Application^DICOM"
        return made

    def whole_priority(message):
        def whole(request, order, step):
            order["7"] = request["27"] = f"1^once^^{message['TQ1-7.1']}^^{message['TQ1-9']}"

        return _each_step(message, whole)

    def whole_start(message):
        def whole(request, order, step):
            order["7"] = request["27"] = f"1^once^^{message['TQ1-7']}^^{message['TQ1-9.1']}"

        return _each_step(message, whole)

    def routine_by_default(message):
        def fill(request, order, step):
            order["7.6"] = request["27.6"] = message["TQ1-9.1"] or "R"

        return _each_step(message, fill)

    def protocol_unescaped(message):
        return _each_step(message, lambda request, order, step: request.__setitem__("4.5", hl7.unescape(step["6.2"])))

    def uid_read_too_late(message):
        made = OmiToOrm.solution(message)
        made["ZDS-1.1"] = ""
        return made

    def goes_on_without(message):
        if "IPC" in message:
            return OmiToOrm.solution(message)
        made = message.copy()
        made["MSH-9"], made["MSH-12"] = "ORM^O01", "2.3.1"
        made.remove("TQ1")
        made.add("ZDS|^HVGH^Application^DICOM")
        return made

    def ids_exchanged(message):
        def exchange(request, order, step):
            request["19"], request["20"] = request["20"], request["19"]

        return _each_step(message, exchange)

    def filler_as_accession(message):
        return _each_step(message, lambda request, order, step: request.__setitem__("18", request["3.1"]))

    def start_in_obr_7(message):
        def move(request, order, step):
            request["7"], request["27.4"], order["7.4"] = request["27.4"], "", ""

        return _each_step(message, move)

    def timing_in_obr_only(message):
        return _each_step(message, lambda request, order, step: order.__setitem__("7", ""))

    def timing_in_orc_only(message):
        return _each_step(message, lambda request, order, step: request.__setitem__("27", ""))

    def priority_lost(message):
        def lose(request, order, step):
            request["27.6"] = order["7.6"] = ""

        return _each_step(message, lose)

    def protocol_lost(message):
        def lose(request, order, step):
            for place in ("4.4", "4.5", "4.6"):
                request[place] = ""

        return _each_step(message, lose)

    def whole_protocol(message):
        return _each_step(message, lambda request, order, step: request.__setitem__(
            "4", "^".join(request["4"].split("^")[:3] + [step["6"]])))

    def protocol_instead(message):
        return _each_step(message, lambda request, order, step: request.__setitem__("4", step["6"]))

    def not_numbered(message):
        return _each_step(message, lambda request, order, step: request.__setitem__("1", "1"))

    def one_orc(message):
        made = OmiToOrm.solution(message)
        for order in made.segments("ORC")[1:]:
            made.remove(order)
        return made

    def a_zds_for_each(message):
        made = OmiToOrm.solution(message)
        for step in message.segments("IPC")[1:]:
            made.add(f"ZDS|{step['3.1']}^HVGH^Application^DICOM")
        return made

    def no_zds(message):
        made = OmiToOrm.solution(message)
        made.remove("ZDS")
        return made

    def version_kept(message):
        made = OmiToOrm.solution(message)
        made["MSH-12"] = message["MSH-12"]
        return made

    def type_kept(message):
        made = OmiToOrm.solution(message)
        made["MSH-9"] = message["MSH-9"]
        return made

    def structure_kept(message):
        made = OmiToOrm.solution(message)
        made["MSH-9.3"] = message["MSH-9.3"]
        return made

    def left_behind(message):
        made = OmiToOrm.solution(message)
        for segment in message.segments("TQ1") + message.segments("IPC"):
            made.add(segment, after=made.segments("OBR")[-1])
        return made

    def known_segments_only(message):
        made = OmiToOrm.solution(message)
        for segment in made.segments():
            if segment.name not in ("MSH", "PID", "PV1", "ORC", "OBR", "ZDS"):
                made.remove(segment)
        return made

    def added_at_the_end(message):
        made = OmiToOrm.solution(message)
        zds = made.segment("ZDS")
        made.remove(zds)
        for segment in [one for pair in zip(made.segments("ORC")[1:], made.segments("OBR")[1:]) for one in pair]:
            made.remove(segment)
            made.add(segment)
        made.add(zds)
        return made

    def z_segments_lost(message):
        made = OmiToOrm.solution(message)
        for segment in made.segments():
            if segment.name[0] == "Z" and segment.name != "ZDS":
                made.remove(segment)
        return made

    def unescaped(message):
        made = OmiToOrm.solution(message)
        for request in made.segments("OBR"):
            request["31"] = hl7.unescape(request["31"]).replace("\n", " ")
        return made

    wrong_ways = {
        first_step_only: "Only the first step arrives. An OMI may carry several IPC under one OBR, one for each scheduled procedure step "
        "(IHE RAD TF-2 4.4.4.1.2.2): of the PET/CT the CT is never on a worklist. `message[\"IPC-4\"]` is the first IPC's, always.",
        last_step_only: "Only the last step arrives: your loop writes each step over the one before, into the same OBR. ORM^O01 has no "
        "IPC; every step needs an OBR, and an ORC before it.",
        same_step_again: "There are as many pairs as steps, but all of the first step. Inside the loop take the fields from the segment "
        'that the loop is at: `step["4.1"]`; `message["IPC-4.1"]` is always the first.',
        whole_accession: "OBR-18 holds the whole of IPC-1, the issuer behind the number too. IPC-1 is an entity "
        "identifier, number^namespace^OID^type; OBR-18 in v2.3.1 is plain text, of which the archive makes an accession "
        "number of at most 16 characters.",
        whole_ids: "OBR-19 and OBR-20 hold the whole of IPC-2 and IPC-4. These are entity identifiers as IPC-1 is: behind the number may "
        "stand who gave it out, and in one order it does. The worklist would show both as one ID.",
        whole_step_id: "OBR-20 holds the whole of IPC-4. That is an entity identifier as IPC-1 is: behind the number may stand who gave "
        "it out, and in one order it does.",
        whole_modality: "OBR-24 holds the whole of IPC-5. That is a coded element: behind the code may stand its meaning and its coding "
        "system, and in one order they do. OBR-24 in v2.3.1 is a plain code.",
        whole_uid: "ZDS-1 holds the whole of IPC-3. Behind the UID may stand who gave it out, as in one of the orders; then all that "
        "follows in ZDS-1 moves to the right.",
        whole_priority: "The timing holds the whole of TQ1-9. That is a coded element, `S^Stat^HL70485` in one order: its parts run on "
        "into the components behind the sixth.",
        whole_start: "The timing holds the whole of TQ1-7. That is a TS, and in one order its degree of precision stands behind a `^` "
        "(part 3): it becomes the fifth component, the *end*, and the priority moves to the seventh.",
        routine_by_default: "An order without a priority left your step as a routine one. What the sender did not say stays empty: the "
        "receiver may know better, or ask.",
        protocol_unescaped: "You unescaped the protocol's meaning. It goes from one message into the other and needs its escapes there: "
        "the bare `&` cuts the text in two.",
        uid_read_too_late: "ZDS has no UID. If you write it after `remove(\"IPC\")`, and from the same message: what is removed can't be "
        "read any more, and `message[\"IPC-3.1\"]` is `\"\"` then. Read it before, or work on a copy.",
        goes_on_without: "The order without IPC left your step as an ORM with no accession number, no step and no UID in it. Nothing "
        "stops by itself, because what is not there is read as `\"\"`: ask whether there is an IPC, and `raise` an exception if not.",
        ids_exchanged: "Requested procedure ID and step ID are exchanged. IPC-2 is the procedure, in all IPC the same; IPC-4 the step. A "
        "modality that reports the step as performed would name the wrong one.",
        filler_as_accession: "You made the filler order number, OBR-3, the accession number. Some sites do it so; this one has an "
        "accession number of its own, and IPC-1 is where OMI has it.",
        start_in_obr_7: "You put the planned start into OBR-7. That is the time at which an observation *was made*. What is planned "
        "stands in Quantity/Timing: ORC-7.4 and OBR-27.4.",
        timing_in_obr_only: "ORC-7 is empty. In v2.3.1 the timing stands in ORC-7 and OBR-27, and which of the two a receiver reads one "
        "does not know: send both.",
        timing_in_orc_only: "OBR-27 is empty. In v2.3.1 the timing stands in ORC-7 and OBR-27, and which of the two a receiver reads one "
        "does not know: send both.",
        priority_lost: "The priority is lost: an emergency comes as a routine exam. TQ1-9 goes where the timing goes, "
        "into the sixth component.",
        protocol_lost: "The protocol code is lost. In ORM it has no field of its own: it is the second triplet of OBR-4.",
        whole_protocol: "Behind the protocol's three parts in OBR-4 stands more: you took the whole of IPC-6. That is a coded element with "
        "room for an alternative code, as in one order; OBR-4 in v2.3.1 ends with the sixth component.",
        protocol_instead: "The protocol code has replaced the code of the procedure. OBR-4 has room for both: components 1 to 3 say what "
        "was requested, 4 to 6 how it is done.",
        not_numbered: "Each OBR says that it is the first. OBR-1, Set ID, counts the OBR segments of the message.",
        one_orc: "There is one ORC for all OBR. In RAD-4 each OBR has its ORC before it (IHE RAD TF-2 4.4.4.1.2.1).",
        a_zds_for_each: "There is a ZDS for each step. All steps belong to one requested procedure and one study; one "
        "ZDS at the end says its UID.",
        no_zds: "The Study Instance UID is lost. ORM^O01 has no field for it, so IHE gave it a segment of its own, ZDS. Without it the "
        "modality invents a UID, and the images will not fit the order.",
        version_kept: "MSH-12 still says what the message was. A receiver chooses by it how to read the rest, or refuses: AR, "
        "unsupported version.",
        type_kept: "MSH-9 still says OMI. The receiver chooses by it what to do with the message, and this one takes ORM^O01.",
        structure_kept: "MSH-9.3 still says OMI_O23. It names the structure by which the rest is read; that of an ORM^O01 is ORM_O01, "
        "and in v2.3.1 it may be left out. Write MSH-9 whole.",
        left_behind: "IPC and TQ1 are still there. v2.3.1 does not know them; a tolerant receiver skips them, a strict one "
        "refuses the whole message.",
        known_segments_only: "You built the message from the segments that you know. NTE, AL1 and Eastcliff's ZEC are lost, an allergy "
        "among them. What a map doesn't need to change it should not touch.",
        added_at_the_end: "The further pairs stand behind Eastcliff's segment ZEC, at the very end. A segment belongs to the group in "
        "which it stands: now ZEC is the first step's only. Say behind which segment a new one comes: `add(..., after=...)`.",
        z_segments_lost: "Eastcliff's own segment ZEC is lost. Whether HV_PACS uses it is not the step's affair: what nobody "
        "told you to remove, stays.",
        unescaped: "You unescaped a text that stays in HL7. From now on the `&` or `^` in it separates. `message[...]` gives and takes "
        "texts as they stand in a message.",
    }
    hints = [
        "`steps = message.segments(\"IPC\")`; if there are none, `raise`. Then `made = message.copy()`, and change what changes once: "
        "MSH-9 and MSH-12. Keep `message` as it came, to read from.",
        "The loop: `for number, step in enumerate(steps, 1):`. `step[\"4.1\"]` is the component of that IPC.",
        "The first step can use the ORC and the OBR that are there: `order = made.segment(\"ORC\")`, and so for `request`. For each "
        "further one add copies behind the last OBR: `order = made.add(order, after=request)`, then `request = made.add(request, "
        "after=order)`. `add` copies, and returns the copy.",
        "The timing is the same for all steps: a text such as `f\"1^once^^{start}^^{priority}\"`, for ORC-7 and OBR-27. OBR-1 "
        "takes text: `str(number)`.",
        "At the end `made.remove(\"TQ1\")`, `made.remove(\"IPC\")`, and `made.add(...)` for the ZDS.",
    ]
    praise = ("Every step is on a worklist under its own ID, and the study has its UID. What nobody told you to touch came along: in some "
              "of the orders that were tried a note, an allergy, a segment of Eastcliff's own.")


# --- 5

def _statuses(draw):
    known = ["PREG", "WCH", "STRETCH", "STICK", "OXY", "HEAR"]
    codes = [draw.choice(known) for _ in range(6)] + ["", "", '""', '""'] + draw.sample(["BLIND", "RAMP", "BARI", "CAST", "ISO"], 2)
    codes += [codes[-1]] * draw.randrange(1, 3) + [draw.choice(known)]
    draw.shuffle(codes)
    return codes


def _coded(codes, table, empty=True, null='""', default="A9", once=False, skip=False):
    field, unmapped = [], {}
    for code in codes:
        if code == "" and skip or code == '""' and null == "skip":
            continue
        if code == "" and empty or code == '""' and null is not None:
            field.append(code if code == "" else null)
        elif code in table:
            field.append(table[code])
        else:
            field.append(code if default is None else default)
            unmapped[code] = 1 if once else unmapped.get(code, 0) + 1
    return {"field": field, "unmapped": unmapped}


@lesson.exercise
class CodesOfTheNight:
    """Write the function `coded(codes, table)`: `codes` is a list, what stood in PV1-15 of one update after another; `table` is a
    dictionary from Eastcliff's codes to ours. It returns a dictionary with

    - `"field"`: a list, what PV1-15 of each update is to hold when it is passed on: our code; **A9**, *functional level unknown*, for a
      code that the table does not have, though it may look like one of ours; and where no code came, what the sender meant;
    - `"unmapped"`: a dictionary, how often each code came that the table does not have. It goes to whoever keeps the table, every
      morning.

    Codes are compared as they stand: `preg` is not `PREG`.
    """

    answer = Function("coded", result=Exact(dict, {"field": list, "unmapped": dict}))
    points = 2

    def solution(codes, table):
        field, unmapped = [], {}
        for code in codes:
            if code == "" or code == '""':
                field.append(code)
            elif code in table:
                field.append(table[code])
            else:
                field.append("A9")
                unmapped[code] = unmapped.get(code, 0) + 1
        return {"field": field, "unmapped": unmapped}

    def cases(draw, ambulatory, table):
        return [(ambulatory, table), ([], table), (["", '""', ""], table)] + [(_statuses(draw), table) for _ in range(3)] + [
            (_statuses(draw), {"PREG": "B6"}), (["LIMP", "CAST", "LIMP", "PREG"], {**table, "LIMP": "A9"}),
            (["WCH", "wch", draw.choice(("preg", "stick")), "PREG ", " OXY", "wch"], table),
            (["B6", "PREG", "A1", "B6"], table)]

    def default_for_everything(codes, table):
        return _coded(codes, table, empty=False, null=None)

    def default_for_empty(codes, table):
        return _coded(codes, table, empty=False)

    def default_for_deletion(codes, table):
        return _coded(codes, table, null=None)

    def deletion_emptied(codes, table):
        return _coded(codes, table, null="")

    def left_out(codes, table):
        return _coded(codes, table, null="skip", skip=True)

    def unknown_kept(codes, table):
        return _coded(codes, table, default=None)

    def unknown_emptied(codes, table):
        return _coded(codes, table, default="")

    def unknown_deleted(codes, table):
        return _coded(codes, table, default='""')

    def not_counted(codes, table):
        return _coded(codes, table, once=True)

    def silence_counted(codes, table):
        right = CodesOfTheNight.solution(codes, table)
        return {**right, "unmapped": {code: codes.count(code) for code in codes if code not in table}}

    def empty_counted(codes, table):
        right = CodesOfTheNight.solution(codes, table)
        return {**right, "unmapped": {code: codes.count(code) for code in codes if code not in table and code != '""'}}

    def mapped_counted(codes, table):
        unmapped = {}
        for code in codes:
            if code not in ("", '""') and table.get(code, "A9") == "A9":
                unmapped[code] = unmapped.get(code, 0) + 1
        return {**CodesOfTheNight.solution(codes, table), "unmapped": unmapped}

    def made_alike(codes, table):
        return CodesOfTheNight.solution([code.strip().upper() for code in codes], table)

    def no_report(codes, table):
        return {**CodesOfTheNight.solution(codes, table), "unmapped": {}}

    wrong_ways = {
        default_for_everything: "Whatever is not in the table became A9, an empty field and a deletion too. An empty field says *no "
        "change* (2.5.3): with A9 in it, an update of the address makes a pregnant patient one of unknown level.",
        default_for_empty: "An empty field became A9. It says nothing about the patient, only that nothing changes (2.5.3); now it "
        "overwrites what the receiver knows.",
        default_for_deletion: 'Two quotation marks became A9. They are no code but a command, *delete what you have* (2.5.3). Pass it on.',
        deletion_emptied: "You passed *delete* on as an empty field, which says *no change*: the patient stays pregnant "
        "at the receiver, for years.",
        left_out: "The updates without a code are missing from the list. Each update is passed on, so each needs its field.",
        unknown_kept: "A code that the table does not have was passed on as it came. The receiver has no use for "
        "it; A9 is agreed for this.",
        unknown_emptied: "For an unknown code you send an empty field: *no change*. The receiver goes on showing the old status although "
        "a new one was sent.",
        unknown_deleted: "For an unknown code you send the command to delete. Something is known of this patient, only we can't read it.",
        not_counted: "Each unmapped code is reported as if it had come once. How often it comes decides what is mapped first.",
        silence_counted: "The report counts empty fields and deletions as unmapped codes. They are no codes, and nobody "
        "can put them into a table.",
        empty_counted: "The report counts empty fields as unmapped codes. They are no codes, and nobody can put them into a table.",
        mapped_counted: "You count what became A9. A table may map a code to A9 itself, as one does with LIMP: that code is known, and "
        "needs nobody's attention. Ask whether the code is in the table.",
        made_alike: "You made the codes alike before you compared them, upper case and without blanks. `wch` may be a typing error for "
        "WCH, or another system's code: that is for whoever keeps the table, who never hears of it this way.",
        no_report: "Nobody is told of the unmapped codes. A default without a report hides every new code that a sender introduces.",
    }
    hints = [
        "What do an empty field and two quotation marks mean to the receiver? Neither is a code; both have to reach it.",
        "Three branches: `if code == \"\" or code == '\"\"':`, then `elif code in table:`, then `else:`.",
        "Counting in a dictionary: `unmapped[code] = unmapped.get(code, 0) + 1`, where `get` gives 0 for a code that is not there yet.",
    ]
    praise = "Mapped, defaulted and reported; and nothing was invented where nothing was said."


# --- 6

MERGES = ("ADT^A18", "ADT^A34", "ADT^A36", "ADT^A40")


def _what_merges(message):
    """What a case of exercise 6 is about, in a sentence."""
    if message.event not in MERGES:
        return f"It is an {message.event}; the exercise names four events that merge patients."
    pairs, numbers = len(message.segments("MRG")), message["PID-3"].count("~") + 1
    missing = [what for place, what in (("MRG-1.4", "no authority"), ("MRG-1.5", "no type")) if not message[place]]
    return (f"It is an {message.event} with {pairs} pair{'s' * (pairs > 1)} of PID and MRG; the first PID-3 has {numbers} "
            f"number{'s' * (numbers > 1)}{', and MRG-1 has ' * bool(missing)}{' and '.join(missing)}.")


def _same(one, gone):
    return gone[3] != "" and gone[4] != "" and one[3:5] == gone[3:5]


def _merged_where(message, alike=_same, events=MERGES, last=False):
    """As the solution, with another condition: a function of two lists of components, of a number in PID-3 and of MRG-1."""
    found, numbers = {}, []
    for segment in message.segments() if message.event in events else []:
        if segment.name == "PID":
            numbers = [one.split("^") + [""] * 5 for one in segment["3"].split("~")]
        if segment.name == "MRG":
            fitting = [one[0] for one in numbers if alike(one, segment["1"].split("^") + [""] * 5)]
            if fitting:
                found[segment["1.1"]] = fitting[-1 if last else 0]
    return found


@lesson.exercise
class WhoIsRetired:
    """Write the function `merged(message)`: which patient numbers a message retires. It returns a dictionary, `{retired number: surviving
    number}`, numbers alone (CX.1); an empty one, `{}`, for a message that merges no patients.

    - Patients are merged by **ADT^A40**, and by its forerunners **A18**, **A34** and **A36**. By other events nobody is merged here,
      whether they have an MRG or not.
    - A40 may hold several pairs of PID and MRG.
    - PID-3 may have several repetitions; MRG-1 has one here. The one that survives in place of MRG-1 is that with the same assigning
      authority (CX.4, compared whole) and the same type (CX.5). If there is none, or MRG-1 itself lacks authority or type, it can't be
      said which is meant: leave the pair out.
    """

    answer = Function("merged", result=Exact(dict), about=_what_merges)
    points = 3

    def solution(message):
        found = {}
        if message.event not in ("ADT^A40", "ADT^A18", "ADT^A34", "ADT^A36"):
            return found
        numbers = []
        for segment in message.segments():
            if segment.name == "PID":
                numbers = segment["3"].split("~")
            if segment.name == "MRG":
                authority = segment["1.4"]
                kind = segment["1.5"]
                if authority == "" or kind == "":
                    continue
                for number in numbers:
                    parts = number.split("^")
                    if len(parts) >= 5 and parts[3] == authority and parts[4] == kind:
                        found[segment["1.1"]] = parts[0]
        return found

    def cases(draw, merges):
        def made(trigger, *pairs, structure="", version="2.5.1", rest=()):
            lines = [_msh(draw, draw.choice(("HIS", "ECC_RIS")), f"ADT^{trigger}{structure}", version), "EVN||20250407081500+0200"]
            for kept, retired in pairs:
                lines += [_pid(draw, kept)] + ([f"MRG|{retired}"] if retired else [])
            return hl7.parse("\r".join([*lines, *rest]))

        def number(prefix="HV", owner=OURS, kind="MR"):
            return f"{prefix}{_digits(draw)}^^^{owner}^{kind}"

        found = [hl7.parse(text) for text in merges]
        found += [
            made("A40", (number(), number("HVTMP")), structure="^ADT_A39"),
            made("A40", (f"{number('B', THEIRS, 'PT')}~{number('EC-', THEIRS)}", number("EC-", THEIRS)), structure="^ADT_A39"),
            made("A40", (f"{number()}~{number('EC-', THEIRS)}", number("EC-", THEIRS)), structure="^ADT_A39"),
            made("A40", (f"{number('EC-', THEIRS)}~{number()}", number()), structure="^ADT_A39"),
            made("A40", (number(), number()), (number(), number("HVTMP")), structure="^ADT_A39"),
            made("A40", (number(), f"HVTMP{_digits(draw, 4)}^^^^MR"), structure="^ADT_A39"),
            made("A34", (number("EC-", THEIRS), number("EC-", THEIRS)), version="2.3.1"),
            made("A18", (number(), number()), version="2.3.1", rest=["PV1|1|O"]),
            made("A36", (number(), f"{number()}||A77"), structure="^ADT_A30"),
            made("A35", (number(), f"{number()}||A78"), structure="^ADT_A30"),
            made("A30", (number(), number()), structure="^ADT_A30"),
            made("A39", (number(), f"{number()}|||P79"), structure="^ADT_A39"),
            # The number that fits is not the only one of its authority, nor of its type; then it's not there at all.
            made("A40", (f"{number()}~{number('V', OURS, 'VN')}~{number('EC-', THEIRS)}", number()), structure="^ADT_A39"),
            made("A40", (f"{number()}~{number('EC-', THEIRS)}~{number('V', OURS, 'VN')}", number()), structure="^ADT_A39"),
            made("A40", (f"{number('V', OURS, 'VN')}~{number('EC-', THEIRS)}", number()), structure="^ADT_A39"),
            made("A45", (number(), number()), structure="^ADT_A45", rest=["PV1|1|I|Ward 3B^^^HVGH"]),
            made("A44", (number(), number()), structure="^ADT_A43"),
            # Authority or type are missing: on both sides, which makes them alike but nobody's, or in MRG-1 alone.
            made("A40", (f"{number()}~{_digits(draw, 4)}", f"HVTMP{_digits(draw, 4)}"), structure="^ADT_A39"),
            made("A40", (f"HV{_digits(draw)}", f"HVTMP{_digits(draw, 4)}"), structure="^ADT_A39"),
            made("A40", (f"HV{_digits(draw)}^^^^MR", f"HVTMP{_digits(draw, 4)}^^^^MR"), structure="^ADT_A39"),
            made("A40", (f"HV{_digits(draw)}^^^{OURS}", f"HVTMP{_digits(draw, 4)}^^^{OURS}"), structure="^ADT_A39"),
            made("A40", (number(), f"HVTMP{_digits(draw, 4)}^^^{OURS}"), structure="^ADT_A39"),
            # Another type than MR, authorities without OID, the third number of a patient, three pairs.
            made("A40", (f"{number()}~{number('P', OURS, 'PI')}", number("P", OURS, "PI")), structure="^ADT_A39"),
            made("A40", (f"{number()}~{number('T', OURS, 'MRT')}", number("T", OURS, "MRT")), structure="^ADT_A39"),
            made("A40", (f"{number('EC-', 'ECC')}~{number(owner='HVGH')}", number(owner="HVGH")), structure="^ADT_A39"),
            made("A40", (number("EC-", "ECC"), number(owner="HVGH")), structure="^ADT_A39"),
            made("A40", (f"{number('EC-', THEIRS)}~{number('V', OURS, 'VN')}~{number()}", number()), structure="^ADT_A39"),
            made("A40", *((number(), number()) for _ in range(3)), structure="^ADT_A39"),
            *(made(trigger, (number(), number()), structure=f"^ADT_{structure}") for trigger, structure in (
                ("A41", "A39"), ("A42", "A39"), ("A43", "A43"), ("A46", "A30"), ("A47", "A30"), ("A48", "A30"), ("A49", "A30"),
                ("A50", "A50"), ("A51", "A50"))),
            made("A08", (number(), None), structure="^ADT_A01", rest=["PV1|1|O"]),
            made("A28", (number(), None), structure="^ADT_A05", rest=["PV1|1|N"]),
        ]
        return [(one,) for one in found]

    def exchanged(message):
        return {kept: retired for retired, kept in WhoIsRetired.solution(message).items()}

    def only_a40(message):
        return WhoIsRetired.solution(message) if message.event == "ADT^A40" else {}

    def without_a36(message):
        return WhoIsRetired.solution(message) if message.event != "ADT^A36" else {}

    def persons_and_accounts(message):
        return _merged_where(message, events=(*MERGES, "ADT^A30", "ADT^A35", "ADT^A39"))

    def whoever_has_mrg(message):
        message = message.copy()
        message["MSH-9"] = "ADT^A40"
        return WhoIsRetired.solution(message)

    def first_number(message):
        return _merged_where(message, lambda one, gone: True)

    def last_number(message):
        return _merged_where(message, lambda one, gone: True, last=True)

    def by_type_alone(message):
        return _merged_where(message, lambda one, gone: "" not in gone[3:5] and one[4] == gone[4])

    def by_type_alone_last(message):
        return _merged_where(message, lambda one, gone: "" not in gone[3:5] and one[4] == gone[4], last=True)

    def by_authority_alone(message):
        return _merged_where(message, lambda one, gone: "" not in gone[3:5] and one[3] == gone[3])

    def by_authority_alone_last(message):
        return _merged_where(message, lambda one, gone: "" not in gone[3:5] and one[3] == gone[3], last=True)

    def empty_fits_empty(message):
        return _merged_where(message, lambda one, gone: one[3:5] == gone[3:5])

    def first_pair_only(message):
        return dict(list(WhoIsRetired.solution(message).items())[:1])

    def last_pair_only(message):
        return dict(list(WhoIsRetired.solution(message).items())[-1:])

    def whole_numbers(message):
        if message.event not in MERGES:
            return {}
        found, numbers = {}, []
        for segment in message.segments():
            if segment.name == "PID":
                numbers = segment["3"].split("~")
            if segment.name == "MRG":
                gone = segment["1"].split("^") + [""] * 5
                found.update({segment["1"]: one for one in numbers if _same(one.split("^") + [""] * 5, gone)})
        return found

    def both_of_one_patient(message):
        found = WhoIsRetired.solution(message)
        return {} if message["PID-3"].split("^")[0] != message["PID-3.1"] else {one: message["PID-3.1"] for one in found}

    wrong_ways = {
        exchanged: "Survivor and retired are exchanged. PID is about the patient who stays, MRG (*prior* patient ID) names the number "
        "that is no longer used (HL7 v2.5.1 3.3.40). Carried out so, the right record disappears into the wrong one, and no message gives "
        "back to each what had been filed under it.",
        only_a40: "You know A40 only. Older systems send A18, A34 or A36, which v2.5.1 keeps for their sake (3.3.18, 3.3.34, "
        "3.3.36); Eastcliff's sends A34.",
        without_a36: "A36 is missing. It merges account numbers *and* patients (3.3.36): whoever passes it over has the patient twice.",
        persons_and_accounts: "You carry out A30, A35 and A39 as well. A35 merges accounts, and the patient stays (3.3.35); A30 and A39 "
        "merge persons of a master index, by other fields than MRG-1 as a rule (3.3.30, 3.3.39). The exercise names four events.",
        whoever_has_mrg: "MRG does not always mean a merge of patients. A44 *moves* an account and A45 a visit from one patient to "
        "another (3.3.44, 3.3.45), and both patients live on. By your function one of them would vanish.",
        first_number: "You took the first number of PID-3. It may be of another hospital or of another sort than the one in MRG-1. Only "
        "numbers of the same authority and type replace each other (3.3.40).",
        last_number: "You took the last number of PID-3. The order of its repetitions means nothing: only a number of the same authority "
        "and type replaces the one in MRG-1 (3.3.40).",
        by_type_alone_last: "You compared the type, CX.5, alone, and the last number of that type won. Eastcliff's numbers are MR as well: "
        "compare the authority, CX.4, too.",
        by_authority_alone_last: "You compared the authority, CX.4, alone, and the last of its numbers won: a visit number (VN), once. "
        "Compare the type, CX.5, too.",
        by_type_alone: "You compared the type, CX.5, alone. MR is what every hospital calls its numbers; a number of HVGH can't survive "
        "in place of one of ECC.",
        by_authority_alone: "You compared the authority, CX.4, alone. A hospital gives a patient several sorts of numbers; the type, "
        "CX.5, has to agree as well.",
        empty_fits_empty: "You let *nothing* fit *nothing*: where MRG-1 lacks authority or type, a number that lacks them too survives in "
        "its place. That neither says whose it is does not make them the same hospital's: ask whether MRG-1 has both.",
        first_pair_only: "An A40 may merge several pairs in one message (the group of PID and MRG repeats). You return the first one.",
        last_pair_only: "An A40 may merge several pairs in one message (the group of PID and MRG repeats). You return the last one.",
        whole_numbers: "You return the whole identifiers, with authority and type. Asked are the numbers alone, CX.1.",
        both_of_one_patient: "Of an A40 with several pairs every retired number points to the same survivor, the first PID's. Each MRG "
        "belongs to the PID in front of it.",
    }
    hints = [
        "First the event: `message.event` is a text such as `\"ADT^A40\"`. If it is none of the four, the answer is `{}`.",
        "Then walk through `message.segments()` in order. At a PID remember its numbers; at an MRG compare: it "
        "belongs to the PID before it.",
        "`segment[\"1.4\"]` and `segment[\"1.5\"]` are authority and type of the MRG; if one of them is `\"\"`, nothing fits. Split each "
        "number of PID-3 at `^` and compare the parts 3 and 4, if there are so many.",
        "`found[retired] = surviving`, and `return found` after the loop. Which segment tells which of the two stands below the first "
        "messages of this part.",
    ]
    praise = "Whoever reads this dictionary knows what is about to be irreversible."


# --- 7

def _batches_of(file):
    """For each batch of a file: (what BTS-1 says, messages, all segments)."""
    return [(int(batch.split("\rBTS|")[1].split("\r")[0]), batch.count("\rMSH|"), batch.split("\rBTS|")[0].count("\r"))
            for batch in file.text.split("\rBHS|")[1:]]


class FileName(Text):
    """The name of a file of the week; the file itself will do, and a name without its ending."""

    def read(self, given):
        """The name."""
        name = super().read(given.name if type(given) is feed.Batch else given)
        return name if name.lower().endswith(".hl7") else f"{name}.hl7"

    def difference(self, answer, other):
        """None when it is the same file."""
        return None if answer.lower() == other.lower() else Difference("That is another file.", "value")


class Incomplete(Fields):
    """As Fields; but whoever names a file that a wrong way names too has not gone that way for it."""

    def judge(self, exercise, given, editions):
        """The verdict on a file, and on what its trailer says and holds."""
        verdict = super().judge(exercise, given, editions)
        way = next((way for way in exercise.wrong_ways if way.__name__ == verdict.label), None)
        if way is None:
            return verdict
        answer, wrong = self.read(*given), self._computed(exercise, way, editions)
        right = self._computed(exercise, exercise.solution, editions)
        same = [name for name, kind in self.entries.items() if kind.difference(answer[name], wrong[name]) is None]
        if same != ["file"] or self.entries["file"].difference(wrong["file"], right["file"]) is None:
            return verdict
        sentence = self.remark("file", answer["file"], right["file"], lambda name: exercise.lesson.input_of(name, editions.own))
        return Verdict(Outcome.NOT_YET, f"About `file`: {sentence}", "value")


def _what_was_counted(entry, given, right, input):
    """A sentence on a wrong entry."""
    files = input("night_files")
    if entry == "file":
        if given.lower() not in [file.name.lower() for file in files]:
            return "no file of the week has that name."
        return "in both batches of that file the trailer says how many messages there are. Compare all files."
    for file in files:
        counts = _batches_of(file)
        if given[0] in [sum(count[place] for count in counts) for place in (0, 1)]:
            return "that is the sum of both batches of a file. Each BTS closes the BHS before it, and counts that batch's messages only."
    return None


@lesson.exercise
class BatchCount:
    """The region reports that one file of the week is incomplete, and not which. In one batch of one file in `night_files` the trailer,
    BTS-1, does not fit the messages. Find it and fill in:

    - `file`: the name of that file, in quotes;
    - `says`: how many messages the batch's trailer counts;
    - `holds`: how many are really there.
    """

    answer = Incomplete("incomplete", {
        "file": FileName(""), "says": Number("", named=("message",)), "holds": Number("", named=("message",))}, remark=_what_was_counted)
    points = 2

    def solution(night_files):
        incomplete = {}
        for file in night_files:
            for batch in file.text.split("\rBHS|")[1:]:
                holds = batch.count("\rMSH|")
                says = int(batch.split("\rBTS|")[1].split("\r")[0])
                if says != holds:
                    incomplete = {"file": file.name, "says": says, "holds": holds}
        return incomplete

    def the_file_trailer(night_files):
        file = night_files[-1]
        return {"file": file.name, "says": len(_batches_of(file)), "holds": sum(holds for _, holds, _ in _batches_of(file))}

    def one_part_more(night_files):
        for file in night_files:
            for says, holds, _ in _batches_of(file):
                if says != holds + 1:
                    return {"file": file.name, "says": says, "holds": holds + 1}

    def segments_counted(night_files):
        file = next(file for file in night_files if any(says != holds for says, holds, _ in _batches_of(file)))
        says, _, segments = next(count for count in _batches_of(file) if count[0] != count[1])
        return {"file": file.name, "says": says, "holds": segments}

    def exchanged(night_files):
        right = BatchCount.solution(night_files)
        return {**right, "says": right["holds"], "holds": right["says"]}

    def the_other_batch(night_files):
        file = next(file for file in night_files if any(says != holds for says, holds, _ in _batches_of(file)))
        says, holds, _ = next(count for count in _batches_of(file) if count[0] == count[1])
        return {"file": file.name, "says": says, "holds": holds}

    wrong_ways = {
        the_file_trailer: "You read FTS-1. It counts the *batches* of the file, BTS-1 the messages of a batch (2.15.7, 2.15.3): with "
        "messages it agrees in no file.",
        one_part_more: "You counted one too many in each batch: splitting at MSH gives the messages *and* what stands before the first "
        "of them. So the batch with a message missing looks complete, and all others look wrong.",
        segments_counted: "The file and the trailer are right, but you counted lines. A message has several segments; it begins with MSH.",
        exchanged: "The two numbers are exchanged: which does the trailer say, and which did you count?",
        the_other_batch: "The file is right, but in this one of its two batches trailer and messages agree.",
    }
    hints = [
        "`file.text.split(\"\\rBHS|\")[1:]` gives the batches of a file: part 0 is what stands before the first batch.",
        '`batch.count("\\rMSH|")` counts beginnings of messages. With the carriage return before it, nothing inside a text can be '
        "mistaken for one.",
        '`batch.split("\\rBTS|")[1]` begins with the number of the trailer; `int(...)` makes a number of what stands before the next '
        "`\\r`. Print all three for each batch of each file, and look.",
    ]
    praise = ("The count is the only sign: each message of the batch is sound, and MLLP would never have told, because a file is not "
              "acknowledged message by message.")


# --- 8

KNOWN = "An order comes for a patient whose PID-3.1 is in `patients`"
ANSWER_SECONDS = 5.0
SILENT = 1                       # after so many messages without an answer nothing more is asked


def _asked(port, pieces, sent, silent):
    """Send pieces of bytes to a server and read an answer to each of the messages `sent`: what a client sees of each, in words.

    silent : a list, one longer for each message before that was not answered; it's kept up
    """
    deframer, answers = mllp.Deframer(), []
    if len(silent) >= SILENT:
        return ["no answer"] * len(sent)
    try:
        with socket.create_connection((mllp.HOST, port), timeout=ANSWER_SECONDS) as connection:
            for piece in pieces:
                connection.sendall(piece)
                if len(pieces) > 1:
                    time.sleep(0.01)                     # so that they arrive apart
            while len(answers) < len(sent):
                octets = connection.recv(65536)
                if not octets:
                    break
                answers += [_read(one) for one in deframer.feed(octets)]
    except OSError:                                      # it hung up, or said nothing in time
        silent.append(sent)
    return [_told(answer, message) for answer, message in zip(answers + [None] * len(sent), sent)]


def _read(octets):
    try:
        return hl7.parse(octets)
    except hl7.BadMessage:
        return "no message"


def _told(answer, message):
    """What a client sees of an acknowledgement, in words."""
    if answer is None:
        return "no answer"
    if answer == "no message":
        return "an answer that is no HL7 message"
    told = f"answered {answer['MSA-1'] or 'without a code in MSA-1'}"
    number = answer["ERR-3.1"] or answer["ERR-1.4"].split("&")[0]
    place = "^".join((answer["ERR-2"] or answer["ERR-1"]).split("^")[:3]).strip("^")
    told += f", error {number} at {place or 'no place'}" if number else ""
    if answer["MSA-2"] != message.control_id:
        told += ", MSA-2 is not the MSH-10 that was sent"
    if answer["MSH-5.1"] != message.sender:
        told += ", addressed to somebody else"
    return told


def _receiver(patients, application=False, unknown=("AE", "204"), other=("AR", "200"), senders=True, remembers="accepted", own=False,
              refuses=True, place=lambda place: place, taken="accepted", order=lambda message: message["ORC-2"], changes=True,
              type_first=True, known_first=True, by_type=False, copied=False, refusals=False, time=False, patient_first=True,
              new=lambda message: message["ORC-1"] == "NW", noted=lambda message: True, freed=False,
              listed=lambda message, patients: message["PID-3.1"] in patients, most=None, memory=None):
    """A receiver as the exercise asks for it, with one idea changed."""
    (seen, orders), refused = memory or ([], set()), {}
    patients = list(patients) if copied else patients

    def judge(message):
        key = (message.sender if senders else "", message.control_id, message["MSH-7"] if time else "")
        if refusals and key in refused:
            raise refused[key]
        try:
            judge_anew(message, key)
        except hl7.Refusal as error:
            if message.event == "ORM^O01":
                refused[key] = error
            raise

    def judge_anew(message, key):
        known, stranger = key in seen, not listed(message, patients)
        if known and not type_first:
            return
        if message["MSH-9.1"] != "ORM" if by_type else message.event != "ORM^O01":
            raise hl7.Refusal(other[0], "Only orders are taken here.", other[1], place("MSH^1^9"))
        if known and (known_first or not stranger):
            return
        there = order(message) in orders
        if remembers == "received":
            seen.append(key)
        if taken == "too early":
            orders.add(order(message))
        for looks_at_patient in (patient_first, not patient_first):
            if looks_at_patient and stranger:
                raise hl7.Refusal(unknown[0], "This patient is not known.", unknown[1], place("PID^1^3"))
            if not looks_at_patient and there and taken != "never" and (new(message) or not changes):
                raise hl7.Refusal("AE", "This order is there already.", "205", place("ORC^1^2"))
        if remembers == "the last":
            seen.clear()
        if remembers in ("accepted", "the last"):
            seen.append(key)
            del seen[:-most if most else 0]
        if noted(message):
            orders.add(order(message))
        if freed and message["ORC-1"] == "CA":
            orders.discard(order(message))

    def answer(message):
        refusal = None
        if refuses:
            try:
                judge(message)
            except hl7.Refusal as error:
                refusal = error
        said = (hl7.acknowledgement if application else hl7.reply)(message, refusal)
        if said is not None and own:
            said["MSA-2"] = said["MSH-10"]
        return said

    return Listener("HV_PACS", answer).start()


def _python_error(server):
    """The exception that stopped the learner's function while it judged a message, in words; or that there was none."""
    for event in getattr(server, "journal", ()):
        if event.what == "failed":
            line = f", in its line `{event.data}`" if event.data else ""
            return f"it stopped with `{event.detail.rstrip('.')}`{line}"
    return "no exception"


@lesson.exercise
class OrderReceiver:
    """Write the function `receiver(patients)`: it starts a receiver of orders and returns it, `return Listener("HV_PACS", answer).start()`.
    `patients` is a list of the patient numbers that HV_PACS knows; it may change while the receiver runs. The receiver answers

    | what comes | code | error (table 0357) | place |
    |---|---|---|---|
    | not an ORM^O01, by its type or by its event | AR | 200 | `MSH^1^9` |
    | a **message** that was accepted before: same sending application, same MSH-10 | as the first time | | |
    | PID-3.1 is not in `patients` | AE | 204 | `PID^1^3` |
    | a **new** order (ORC-1 is NW) under an order number (ORC-2, the whole field) that was accepted before | AE | 205 | `ORC^1^2` |
    | anything else, whatever its version and processing ID | AA | | |

    The first line that fits counts. An order number is taken once a message with it was accepted, whatever its ORC-1 and whoever sent it,
    and stays so. A message that was *refused* is judged anew when it comes again. To messages of enhanced mode it answers with the code of
    that mode, or not at all, as MSH-15 wants it: `hl7.reply`, and the listener for a refusal, see to that.
    It will be visited by real clients, each over a connection of its own, some of which split their frames or send several at once.
    """

    answer = Server("receiver", called="receiver")
    points = 4

    def solution(patients):
        seen = set()
        orders = set()

        def answer(message):
            key = (message.sender, message.control_id)
            if message.event != "ORM^O01":
                raise hl7.Refusal("AR", "Only orders are taken here.", "200", "MSH^1^9")
            if key not in seen:
                if message["PID-3.1"] not in patients:
                    raise hl7.Refusal("AE", "This patient is not known.", "204", "PID^1^3")
                if message["ORC-1"] == "NW" and message["ORC-2"] in orders:
                    raise hl7.Refusal("AE", "This order is there already.", "205", "ORC^1^2")
                seen.add(key)
                orders.add(message["ORC-2"])
            return hl7.reply(message)

        return Listener("HV_PACS", answer).start()

    def cases(draw):
        return [([f"HV{_digits(draw)}"],), ([f"HV{_digits(draw)}" for _ in range(4)],)]

    @contextlib.contextmanager
    def stage(patients):
        yield (patients,), patients

    def visit(server, patients):
        port = getattr(server, "port", None) or server.server_address[1]
        draw, silent, one = random.Random(patients[0]), [], patients[0]

        def order(**how):
            return _orm(draw, **{"patient": one, **how})

        def ask(message, cuts=0):
            octets = mllp.frame(message)
            size = len(octets) // (cuts + 1) + 1
            return _asked(port, [octets[place:place + size] for place in range(0, len(octets), size)], [message], silent)[0]

        def number_of(message):
            return message["ORC-2"][1:].split("^")[0]

        # Two receivers are started, and the second has to know nothing of the first.
        common = {"order": "8080801", "control": "COMMON1"}
        if len(patients) == 1:
            came = ask(order(**common))
            return {"Your function that judges a message": _python_error(server), KNOWN: came}
        found = {"A second receiver is started, and a message comes that the first had accepted, for a patient who is not known to it": ask(
            order(**common, patient="HV0"))}
        found["A new order comes to it under an order number that only the first receiver had accepted"] = ask(order(order=common["order"]))
        first, unknown = order(), order(patient="HV0")
        found[KNOWN] = ask(first)
        found["An order for a patient who is not known comes"] = ask(unknown)
        found["The first message comes once more, because its acknowledgement was lost"] = ask(first)
        found["Another message brings a new order under the same order number"] = ask(order(order=number_of(first)))
        found["A change of that order comes, ORC-1 XO"] = ask(order(order=number_of(first), request="XO"))
        found["Cardiology brings a new order under that order number"] = ask(
            order(sender="CARD", marks="~^\\&", order=number_of(first)))
        unfilled = order(order=number_of(first))
        unfilled["ORC-3"] = unfilled["OBR-3"] = unfilled["OBR-2"] = ""
        found["A new order comes under that number, which stands in ORC-2 alone, and without a filler's number, ORC-3"] = ask(unfilled)
        elsewhere = order(order=number_of(first))
        elsewhere["ORC-2.2"] = elsewhere["OBR-2.2"] = "ECC_RIS"
        found["A new order comes whose number is the same in ORC-2.1, but another system's by ORC-2.2"] = ask(elsewhere)
        found["The message for the unknown patient comes once more"] = ask(unknown)
        found["That order comes again in a new message, corrected, with a patient who is known"] = ask(order(order=number_of(unknown)))
        stranger = order(sender="CARD", control=first.control_id, patient="HV0", marks="~^\\&")
        found["Cardiology sends an order for an unknown patient, whose MSH-10 happens to be that of the first message"] = ask(stranger)
        found["An ADT^A08 comes"] = ask(_adt(draw, "A08"))
        found["An ADT^A08 comes from the sender of the first message, with its MSH-10"] = ask(_adt(draw, "A08", "RIS", first.control_id))
        bare = order()
        bare["MSH-9"] = "ORM"
        found["A message comes whose MSH-9 is only ORM, without an event"] = ask(bare)
        for event, what in (("OMI^O23^OMI_O23", "An imaging order of v2.5.1 comes, OMI^O23"), ("OMG^O19^OMG_O19", "An OMG^O19 comes"),
                            ("RDE^O01", "A pharmacy's order of v2.3.1 comes, RDE^O01"),
                            ("ORM^O02", "A message comes whose MSH-9 is ORM^O02, an event that belongs to ORR")):
            other = order()
            other["MSH-9"] = event
            found[what] = ask(other)
        own = order(sender="CARD", marks="~^\\&", patient=patients[1])
        found["Cardiology sends an order, with separators of its own"] = ask(own)
        found["An order comes in three pieces"] = ask(order(), cuts=2)
        pair = [order(patient=patients[2]), order(patient="HV0")]
        both = _asked(port, [b"".join(mllp.frame(one) for one in pair)], pair, silent)
        found["Two orders come in one piece, the second for an unknown patient"] = " then ".join(both)
        asking = order()
        asking["MSH-15"], asking["MSH-16"] = "AL", "NE"
        found["An order of enhanced mode comes, MSH-15 AL"] = ask(asking)
        found["That order of enhanced mode comes once more"] = ask(asking)
        refused = order(patient="HV0")
        refused["MSH-15"], refused["MSH-16"] = "AL", "NE"
        found["The same for an unknown patient"] = ask(refused)
        quiet, after = order(), order(patient=patients[3])
        quiet["MSH-15"], quiet["MSH-16"] = "NE", "NE"
        said = _asked(port, [mllp.frame(quiet) + mllp.frame(after)], [after], silent)
        found["An order comes that wants no answer, MSH-15 NE, and behind it another: the first answer"] = said[0]
        found["The first message comes once more, after many others"] = ask(first)
        again = first.copy()
        again["MSH-7"] = "20250407235500+0200"
        found["The first message comes once more, with the time at which it was sent again in MSH-7"] = ask(again)
        found["A new order for a patient who is not known comes under the first order number"] = ask(
            order(order=number_of(first), patient="HV0"))
        for place, text, what in (("MSH-11", "T", "An order comes with T in MSH-11"),
                                  ("MSH-12", "2.5.1", "An ORM^O01 comes with 2.5.1 in MSH-12")):
            other = order()
            other[place] = text
            found[what] = ask(other)
        found["A message for an unknown patient comes whose MSH-3 and MSH-10, one behind the other, read as those of the first"] = ask(
            order(sender=first.sender[:-1], control=first.sender[-1] + first.control_id, patient="HV0"))
        for request, what in (("DC", "A message to discontinue the first order, ORC-1 DC, comes"),
                              ("CA", "A cancellation of that order, ORC-1 CA, comes")):
            cancelled = order(order=number_of(first), request=request)
            found[what] = ask(cancelled)
        found["After its cancellation a new order comes under that number"] = ask(order(order=number_of(first)))
        change = order(request="XO")
        found["A change comes, ORC-1 XO, of an order that never came"] = ask(change)
        found["Then a new order comes under the number of that change"] = ask(order(order=number_of(change)))
        several = order()
        several["PID-3"] = f"EC-{_digits(draw, 5)}^^^{THEIRS}^MR~{one}^^^{OURS}^MR"
        found["An order comes whose PID-3.1 is not known, but the second number of PID-3 is"] = ask(several)
        former = order(patient="HV0")
        former["PID-2"] = f"{one}^^^{OURS}^MR"
        found["An order comes whose PID-3.1 is not known, but the number in PID-2 is"] = ask(former)
        for part, what in ((one[:-1], "A beginning of a known number comes as PID-3.1"),
                           (one[2:], "The end of a known number comes as PID-3.1"),
                           (one + "0", "A known number with a digit more comes as PID-3.1")):
            found[what] = ask(order(patient=part))
        newcomer, waiting = "HVN" + _digits(draw), order(patient="HVW" + _digits(draw))
        found["Another order comes for a patient who is not known yet"] = ask(waiting)
        patients.append(newcomer)
        found["A number of somebody else is added to `patients`, and an order for it comes"] = ask(order(patient=newcomer))
        patients.append(waiting["PID-3.1"])
        found["The number of the patient not known yet is added, and the refused message comes again, with its MSH-10"] = ask(waiting)
        found["The first message comes once more, after all the others"] = ask(first)
        patients.remove(one)
        found["The first patient's number is retired, taken out of `patients`, and the first message comes once more"] = ask(first)
        found["The cancellation comes once more, for the patient whose number was taken out of `patients`"] = ask(cancelled)
        found["A new order comes for the number that was taken out of `patients`"] = ask(order())
        return {"Your function that judges a message": _python_error(server)} | found

    def accepts_everything(patients):
        return _receiver(patients, refuses=False)

    def own_number(patients):
        return _receiver(patients, own=True)

    def application_codes_only(patients):
        return _receiver(patients, application=True)

    def patient_rejected(patients):
        return _receiver(patients, unknown=("AR", "204"))

    def type_is_an_error(patients):
        return _receiver(patients, other=("AE", "200"))

    def no_memory(patients):
        return _receiver(patients, remembers="nothing")

    def other_number(patients):
        return _receiver(patients, other=("AR", "201"))

    def a_few_alone(patients):
        return _receiver(patients, most=10)

    def memory_shared(patients, memory=([], set())):
        return _receiver(patients, memory=memory)

    def whole_field(patients):
        return _receiver(patients, listed=lambda message, patients: message["PID-3"] in patients)

    def the_last_alone(patients):
        return _receiver(patients, remembers="the last")

    def no_order_numbers(patients):
        return _receiver(patients, taken="never")

    def order_numbers_too_early(patients):
        return _receiver(patients, taken="too early")

    def order_number_without_owner(patients):
        return _receiver(patients, order=lambda message: message["ORC-2.1"])

    def order_numbers_by_sender(patients):
        return _receiver(patients, order=lambda message: (message.sender, message["ORC-2"]))

    def remembers_too_early(patients):
        return _receiver(patients, remembers="received")

    def senders_ignored(patients):
        return _receiver(patients, senders=False)

    def changes_refused(patients):
        return _receiver(patients, changes=False)

    def known_before_type(patients):
        return _receiver(patients, type_first=False)

    def patient_before_known(patients):
        return _receiver(patients, known_first=False)

    def type_without_event(patients):
        return _receiver(patients, by_type=True)

    def patients_copied(patients):
        return _receiver(patients, copied=True)

    def refusals_remembered(patients):
        return _receiver(patients, refusals=True)

    def time_remembered(patients):
        return _receiver(patients, time=True)

    def number_before_patient(patients):
        return _receiver(patients, patient_first=False)

    def new_is_not_a_change(patients):
        return _receiver(patients, new=lambda message: message["ORC-1"] != "XO")

    def numbers_of_new_orders(patients):
        return _receiver(patients, noted=lambda message: message["ORC-1"] == "NW")

    def cancelling_frees(patients):
        return _receiver(patients, freed=True)

    def filler_number(patients):
        return _receiver(patients, order=lambda message: message["ORC-3"])

    def any_of_its_numbers(patients):
        return _receiver(patients, listed=lambda message, patients: any(one.split("^")[0] in patients
                                                                        for one in message["PID-3"].split("~")))

    def part_of_a_number(patients):
        return _receiver(patients, listed=lambda message, patients: message["PID-3.1"] in str(patients))

    def place_without_sequence(patients):
        return _receiver(patients, place=lambda place: place.replace("^1^", "^"))

    def no_place(patients):
        return _receiver(patients, place=lambda place: "")

    wrong_ways = {
        accepts_everything: "Your receiver says yes to everything. The sender takes that for *it is in the archive* and deletes the "
        "message from its queue; nobody will ever look for it again.",
        own_number: "MSA-2 has to be the MSH-10 of the message that is answered (2.15.8.2). The acknowledgement's own MSH-10 is another "
        "number: a sender that compares takes this for the answer to something else and sends again, for ever.",
        application_codes_only: "In enhanced mode (MSH-15 or MSH-16 is filled in) the answer at once is an accept acknowledgement, CA, "
        "CE or CR, and MSH-15 NE wants none at all (2.9.3). AA is an application's answer, which would come later as a message of its "
        "own. `hl7.reply` chooses.",
        patient_rejected: "AR says: wrong type, version or processing ID, or the receiver is in trouble; *try the same again later* is "
        "what many senders make of it (2.9.2). An unknown patient is an error in the content: AE.",
        type_is_an_error: "A type of message that is not served is a rejection, AR (2.9.2, table 0008). AE says that the content was "
        "looked at and is wrong.",
        no_memory: "A message whose acknowledgement got lost is sent again, with the same MSH-10. Your receiver took it for a new order "
        "and complained; the sender now believes that the order was never taken.",
        other_number: "The error is not the one of the table. 201 is an event that is not supported; HV_PACS says 200 for whatever is no "
        "ORM^O01.",
        the_last_alone: "Your receiver has forgotten a message that it accepted. Between a message and its repetition others may come, "
        "from other systems or over other connections: keep all that were accepted, not the last alone or the last few.",
        a_few_alone: "Your receiver has forgotten a message that it accepted. Between a message and its repetition many others may come: "
        "keep all that were accepted, not the last few.",
        memory_shared: "What your receivers remember is shared between two of them. Each call of `receiver` starts one that knows nothing "
        "yet: make the two sets *in* `receiver`, before `answer`.",
        whole_field: "Known patients are taken for unknown. If you compare the whole of PID-3: that is the number *and* who gave it and "
        "what sort it is. In `patients` stand numbers alone, PID-3.1.",
        order_numbers_too_early: "Your receiver notes the order number before it has accepted the order. The corrected order, which "
        "everybody waits for, is then refused as a duplicate of one that was never taken. Note it just before the answer.",
        order_number_without_owner: "You compare ORC-2.1 alone. An order number is one system's, and ORC-2.2 says whose: two systems that "
        "count from 1 meet in ORC-2.1. The table says the whole field.",
        order_numbers_by_sender: "You keep order numbers apart by the sender of the *message*. Whose the number is, the field itself "
        "says, ORC-2.2; the order is there already, whoever brings it again.",
        known_before_type: "You asked first whether the message is known, then for its type. The first line of the table that fits "
        "counts: an ADT is answered AR whatever its MSH-10 is.",
        patient_before_known: "You looked for the patient before you asked whether the message is known. It was accepted; that its "
        "patient's number was retired since does not change what the sender has to hear: the same as the first time.",
        type_without_event: "You looked at MSH-9.1 alone. What is asked for is an ORM^O01; a bare ORM says nothing of its event, and "
        "`message.event` is both together.",
        patients_copied: "Your receiver knows the patients of the moment at which it was started. The list changes while it runs: look "
        "into `patients` itself for each message, not into a copy.",
        refusals_remembered: "Your receiver remembers what it refused, and refuses it again. Between the two the patient has become known: "
        "only what was *accepted* is answered as the first time, everything else is judged anew.",
        time_remembered: "You compare more than sender and MSH-10. A sender that sends again may write the time of the second "
        "sending into MSH-7; it is the same message all the same, by MSH-3 and MSH-10.",
        number_before_patient: "You asked for the order number before the patient. The first line of the table that fits counts: "
        "first 204, then 205.",
        new_is_not_a_change: "You take for new whatever is no change, XO. A cancellation (CA) and a discontinuation (DC) bear the number "
        "of their order as well: only NW is new.",
        numbers_of_new_orders: "You note the number only of new orders. Any accepted message takes its order number: whoever changed an "
        "order under it knows of one.",
        cancelling_frees: "You give the number free when its order is cancelled. A number that was used stays taken: under "
        "it reports and bills may still come.",
        filler_number: "Another field than ORC-2 decides, or more than it. The order number here is the placer's, ORC-2. OBR-2 may be empty "
        "where ORC-2 is filled, and the filler's number, ORC-3, a new order need not have yet.",
        any_of_its_numbers: "You look at all numbers of PID-3. The table says PID-3.1, that of the first repetition.",
        part_of_a_number: "You asked whether PID-3.1 stands *somewhere in a text*. So does a piece of a number: "
        "ask whether it is one of the elements of the list.",
        place_without_sequence: "The place in the refusal lacks its middle. It's segment, *which one of that name*, field: `PID^1^3`, the "
        "third field of the first PID (2.15.5).",
        no_place: "The refusal names no place. Whoever has to mend the message wants to know which field it is about; it's the fourth "
        "thing that `hl7.Refusal` takes.",
        no_order_numbers: "Another message brought a new order under a number that is taken, and was accepted: now two orders bear one "
        "number. Duplicates of a *message* and of an *order* are two things.",
        remembers_too_early: "Your receiver remembers MSH-10 before it has judged the message. Sent again, the refused message is "
        "*known*, and is answered AA without ever being stored. Remember what was accepted only.",
        senders_ignored: "MSH-10 is unique for one sender only (2.15.9.10). Two systems that count from 1 meet, and one's order is taken "
        "for the other's duplicate: acknowledged, and thrown away. Remember MSH-3 with it.",
        changes_refused: "A change of an order has the number of that order, of course. Only a *new* order, ORC-1 NW, must not have a "
        "number that is taken.",
    }
    hints = [
        '`answer(message)` either returns `hl7.reply(message)` or raises a refusal: `raise hl7.Refusal("AE", "a sentence", "204", '
        '"PID^1^3")`. The listener answers with it, in the mode and the version of the message.',
        "What was accepted has to be remembered from message to message: make two sets, `seen = set()` and `orders = set()`, in "
        "`receiver`, before `answer`; `seen.add(...)` puts something in.",
        "What tells one message from another is the pair `(message.sender, message.control_id)`.",
        "Go through the table from the top. A pair that is in `seen` skips the two checks below it; the two `add` stand behind them, "
        "just before the answer.",
    ]
    praise = "Nothing is promised that is not kept, nothing is stored twice, and every sender knows which of its messages was meant."


# --- 9

SENT_BACK = "ORD0777"            # the order that HV_PACS refuses the first time
NEWCOMER = "NMH_RIS"              # a system that has not sent before
STEP_SECONDS, ENGINE_SECONDS = 2.0, 10.0


def _day(draw):
    """Messages as a morning brings them, and in it each thing that a channel may stumble over: a list of (what it is, ``hl7.Message``)."""
    number = iter(range(100, 1000))

    def control(kind):
        return f"{kind}0{next(number)}"

    found = [("order", _orm(draw, "RIS", control("ORD"), modality)) for modality in ("CT", "DX", "MR", "US") * 3]
    found += [("order", _orm(draw, "CARD", control("ORD"), modality, marks="~^\\&")) for modality in ("US", "XA", "IVUS")]
    found += [("order", _orm(draw, "RIS", SENT_BACK, "CT"))]
    found += [("order", _orm(draw, "RIS", control("ORD"), "DX", name=f"{family}^{draw.choice(GIVEN)}"))
              for family in ("TESTA", "BUZZTEST", "ZZAKI")]
    newer = [_orm(draw, "RIS", control("ORD"), modality) for modality in ("CT", "MR")]
    newer[0]["MSH-9"], newer[1]["MSH-12"] = "ORM^O01^ORM_O01", "2.5.1"           # what a message is does not depend on either
    found += [("order", one) for one in newer]
    found += [("order", _elsewhere(_orm(draw, "RIS", control("ORD"), modality))) for modality in ("CT", "US")]
    other = [_omi(draw, steps, control("OMI")) for steps in (2, 1, 1)]
    other[1]["MSH-9"], other[2]["MSH-12"] = "OMI^O23", "2.5"
    found += [("eastcliff", _elsewhere(other[0])), ("eastcliff", other[1]), ("eastcliff", other[2])]
    found += [("eastcliff", _omi(draw, steps, control("OMI"), extra)) for steps in (1, 2, 3, 1) for extra in (True, False)]
    endoscopy = _omi(draw, 1, control("OMI"))
    endoscopy["IPC-5"] = "ES"                                # all OMI^O23 go to HV_PACS, whatever the modality
    found += [("eastcliff", endoscopy)]
    found += [("no order for us", _orm(draw, sender, control("LAB"), modality))
              for sender, modality in (("RIS", "LAB"), ("CARD", "EC"), ("HIS", "LAB"), ("RIS", "CTX"))]
    unsaid = _orm(draw, "RIS", control("LAB"), "CT")
    unsaid["OBR-24"] = ""                                    # no department at all, and "" is in every text
    found += [("no order for us", unsaid)]
    found += [("patient", _adt(draw, trigger, control=control("ADT"))) for trigger in ("A04", "A08", "A01", "A04", "A08", "A28")]
    found += [("patient", _adt(draw, "A08", "ECC_RIS", control("ADT"))),
              ("patient", _adt(draw, "A04", control=control("ADT"), name="TESTA^LIV"))]
    merge = _adt(draw, "A40", control=control("ADT"))
    merge.remove("PV1")
    merge.add(f"MRG|HVTMP{_digits(draw, 4)}^^^{OURS}^MR")
    found += [("patient", merge)]
    found += [("patient", _elsewhere(_adt(draw, "A08", control=control("ADT"))))]
    for sender in ("VOX", "CARD", "VOX"):
        found += [("report", _report(draw, sender, "R01", control("REP")))]
    unstructured = _report(draw, "VOX", "R01", control("REP"))
    unstructured["MSH-9"] = "ORU^R01"
    found += [("report", _elsewhere(_report(draw, "RIS", "R01", control("REP")))), ("report", unstructured)]
    found += [("point of care", _report(draw, "LAB", trigger, control("POC"))) for trigger in ("R30", "R31")]
    for bare in (_orm(draw, "RIS", control("BAR"), "CT"), _omi(draw, 1, control("BAR")), _report(draw, "VOX", "R01", control("BAR"))):
        bare["MSH-9"] = bare["MSH-9.1"]
        found += [("no event", bare)]
    for family in ("ZZTEST", "ZZTEST2", "ZZTESTER"):
        name = f"{family}^{draw.choice(GIVEN)}"
        found += [("test", _orm(draw, "RIS", control("TST"), "CT", name=name)),
                  ("test", _adt(draw, "A04", control=control("TST"), name=name))]
        for one in (_omi(draw, 1, control("TST")), _report(draw, "VOX", "R01", control("TST"))):
            one["PID-5"] = name
            found += [("test", one)]
    processing = []
    for letter in "TD":
        processing += [_orm(draw, "RIS", control("TST"), "CT"), _omi(draw, 1, control("TST")), _adt(draw, "A08", control=control("TST")),
                       _report(draw, "VOX", "R01", control("TST"))]
        for one in processing[-4:]:
            one["MSH-11"] = letter
    found += [("test", one) for one in processing]
    booking = hl7.parse("\r".join([_msh(draw, "RIS", "SIU^S12^SIU_S12", "2.5.1", control("SIU")), "SCH|P1^HIS|F1^RIS", _pid(draw)]))
    document = hl7.parse("\r".join([_msh(draw, "VOX", "MDM^T02^MDM_T02", "2.5.1", control("MDM")), "EVN||20250407081500+0200", _pid(draw),
                                    "PV1|1|O", "TXA|1|RA|TX|||||||||D1", "OBX|1|TX|GDT^Report^99HV||No fracture.||||||F"]))
    found += [("nobody's", booking), ("nobody's", document)]
    broken = _omi(draw, 1, control("BAD"))
    broken.remove("IPC")
    draw.shuffle(found)
    found.insert(len(found) // 2, ("cannot be mapped", broken))
    return found


def _elsewhere(message):
    """The message as a system sends it that nobody has heard of yet."""
    message["MSH-3"], message["MSH-4"] = NEWCOMER, "NMH"
    return message


def _report(draw, sender, trigger, control):
    return hl7.parse("\r".join([
        _msh(draw, sender, f"ORU^{trigger}^ORU_{trigger}", "2.5.1", control), _pid(draw), "OBR|1|||CTHD^CT HEAD^99HV",
        r"OBX|1|TX|GDT^Report^99HV||No fracture.\.br\Conclusion: normal.||||||F"]))


def _kind(message):
    """What a message of the hospital's feed is, in the words of ``_day``."""
    if message["PID-5"].startswith("ZZTEST") or message["MSH-11"] != "P":
        return "test"
    if message["MSH-9.1"] == "ADT":
        return "patient"
    if message.event == "ORM^O01":
        return "order" if message["OBR-24"] in imaging else "no order for us"
    return {"OMI^O23": "eastcliff", "ORU^R01": "report"}.get(message.event, "nobody's")


@lesson.exercise
class ChannelsOfTheHospital:
    """Write the function `connect(engine)`: it defines the channels of HV_ENGINE. The engine runs; it has the destinations `"HV_PACS"`
    and `"EMR"`.

    | what | where to | how |
    |---|---|---|
    | OMI^O23 | HV_PACS | as ORM^O01, by `to_orm` |
    | ORM^O01 whose OBR-24 is in `imaging` | HV_PACS | as it came |
    | ADT, all events | HV_PACS | as it came |
    | ORU^R01 | EMR | as it came |
    | anything else, other events of these types too | nowhere | |
    | **test patients**: family name begins with ZZTEST, or MSH-11 is not P | nowhere, whatever it is | |

    Go by what a message *is*, not by who sent it: tomorrow somebody else sends it. What can't be mapped belongs into the error queue, not
    into the archive and not under the carpet.

    A morning's messages will be sent through it, to receivers that write down what arrives; one order HV_PACS refuses at first, and it is
    retried.
    """

    answer = Server("connect", called="engine", returned=False)
    points = 4

    def solution(engine):
        def real(message):
            return message["MSH-11.1"] == "P" and not message["PID-5.1"].startswith("ZZTEST")

        def eastcliff_order(message):
            return real(message) and message.event == "OMI^O23"

        def imaging_order(message):
            return real(message) and message.event == "ORM^O01" and message["OBR-24"] in imaging

        def patient(message):
            return real(message) and message["MSH-9.1"] == "ADT"

        def report(message):
            return real(message) and message.event == "ORU^R01"

        engine.channel("orders of Eastcliff", filter=eastcliff_order, map=to_orm, to="HV_PACS")
        engine.channel("imaging orders", filter=imaging_order, to="HV_PACS")
        engine.channel("patients", filter=patient, to="HV_PACS")
        engine.channel("reports", filter=report, to="EMR")

    def cases(draw, morning):
        real = [(_kind(hl7.parse(octets)), octets) for octets in morning[:24]]
        return [(real[:12] + [(kind, message.encode()) for kind, message in _day(draw)] + real[12:],)]

    @contextlib.contextmanager
    def stage(day):
        arrived = {"HV_PACS": [], "EMR": []}
        refused = set()

        def taken(name):
            def answer(message):
                if message.control_id == SENT_BACK and SENT_BACK not in refused:
                    refused.add(SENT_BACK)
                    raise hl7.Refusal("AE", "This patient is not known.", "204", "PID^1^3")
                arrived[name].append(message)
                return hl7.reply(message)

            return answer

        with Listener("HV_PACS", taken("HV_PACS")) as pacs, Listener("EMR", taken("EMR")) as emr, \
                Engine(ENGINE, step_seconds=STEP_SECONDS) as engine:
            engine.destination("HV_PACS", pacs.port)
            engine.destination("EMR", emr.port)
            yield (engine,), (engine, day, arrived)

    def visit(nothing, bench):
        engine, day, arrived = bench
        give_up = time.monotonic() + ENGINE_SECONDS      # before the visit is: sending takes seconds beside a step without end
        mllp.send(engine.host, engine.port, [octets for _, octets in day])
        settled = engine.settle(max(give_up - time.monotonic(), 1))
        at_first = list(arrived["HV_PACS"])
        failed = [problem for problem in engine.errors if problem.kind == "step"]
        if settled:
            engine.retry([problem for problem in engine.errors if problem.kind == "delivery"])
            settled = engine.settle(max(give_up - time.monotonic(), 1))
        late = "not all messages were carried in time; is there a step or a filter without end?"
        return {"The morning": "all messages were carried" if settled else late} | _came(day, arrived, at_first, failed)

    def everything(engine):
        engine.channel("all", to="HV_PACS")

    def by_sender(engine):
        _connected(engine, order=lambda message: message.sender == "RIS" and message.event == "ORM^O01" and message["OBR-24"] in imaging)

    def eastcliff_by_sender(engine):
        _connected(engine, omi=lambda message: message.sender == "ECC_RIS")

    def by_known_senders(engine):
        _connected(engine, order=lambda message: message.sender in ("RIS", "CARD") and message.event == "ORM^O01"
                   and message["OBR-24"] in imaging)

    def omi_of_eastcliff(engine):
        _connected(engine, omi=lambda message: message.sender == "ECC_RIS" and message.event == "OMI^O23")

    def patients_of_the_his(engine):
        _connected(engine, adt=lambda message: message.sender == "HIS" and message["MSH-9.1"] == "ADT")

    def patients_by_known_senders(engine):
        _connected(engine, adt=lambda message: message.sender in ("HIS", "ECC_RIS") and message["MSH-9.1"] == "ADT")

    def reports_of_the_dictation(engine):
        _connected(engine, report=lambda message: message.sender == "VOX" and message.event == "ORU^R01")

    def reports_untested(engine):
        _connected(engine, untested="report")

    def patients_untested(engine):
        _connected(engine, untested="patient")

    def orders_untested(engine):
        _connected(engine, untested="order")

    def omi_untested(engine):
        _connected(engine, untested="omi")

    def types_alone(engine):
        _connected(engine, omi=lambda message: message["MSH-9.1"] == "OMI", report=lambda message: message["MSH-9.1"] == "ORU",
                   order=lambda message: message["MSH-9.1"] == "ORM" and message["OBR-24"] in imaging)

    def orders_of_any_event(engine):
        _connected(engine, order=lambda message: message["MSH-9.1"] == "ORM" and message["OBR-24"] in imaging)

    def reports_of_any_event(engine):
        _connected(engine, report=lambda message: message["MSH-9.1"] == "ORU")

    def modality_within_a_text(engine):
        _connected(engine, order=lambda message: message.event == "ORM^O01" and message["OBR-24"] in str(imaging))

    def every_order(engine):
        _connected(engine, order=lambda message: message.event == "ORM^O01")

    def tests_let_through(engine):
        _connected(engine, real=lambda message: True)

    def processing_ignored(engine):
        _connected(engine, real=lambda message: not message["PID-5.1"].startswith("ZZTEST"))

    def names_ignored(engine):
        _connected(engine, real=lambda message: message["MSH-11.1"] == "P")

    def name_is_zztest(engine):
        _connected(engine, real=lambda message: message["MSH-11.1"] == "P" and message["PID-5.1"] != "ZZTEST")

    def zztest_anywhere(engine):
        _connected(engine, real=lambda message: message["MSH-11.1"] == "P" and "ZZTEST" not in message["PID-5"])

    def any_test_in_a_name(engine):
        _connected(engine, real=lambda message: message["MSH-11.1"] == "P" and "TEST" not in message["PID-5"])

    def eastcliff_unmapped(engine):
        _connected(engine, step=())

    def first_step_only(engine):
        _connected(engine, step=OmiToOrm.first_step_only)

    def everything_mapped(engine):
        _connected(engine, every=to_orm)

    def swallowed(engine):
        def step(message):
            try:
                return to_orm(message)
            except Exception:
                return message

        _connected(engine, step=step)

    def mapped_all_the_same(engine):
        _connected(engine, step=OmiToOrm.goes_on_without)

    def filtered_away(engine):
        _connected(engine, omi=lambda message: message.event == "OMI^O23" and "IPC" in message)

    def delivered_twice(engine):
        _connected(engine)
        engine.channel("orders once more", filter=lambda message: message["MSH-9.1"] == "ORM" and message["OBR-24"] in imaging
                       and message["MSH-11.1"] == "P" and not message["PID-5.1"].startswith("ZZTEST"), to="HV_PACS")

    def reports_to_the_archive(engine):
        _connected(engine, emr="HV_PACS")

    def some_events_only(engine):
        _connected(engine, adt=lambda message: message.event in ("ADT^A04", "ADT^A08", "ADT^A40"))

    wrong_ways = {
        everything: "All that comes goes to HV_PACS, as it came: appointments, laboratory orders, test patients. An engine is there so "
        "that each receiver gets what it can use and nothing else.",
        by_sender: "You choose orders by who sends them. Cardiology's orders are imaging orders too, and are lost. Go by what the "
        "message is: MSH-9 and OBR-24.",
        eastcliff_by_sender: "You choose Eastcliff's orders by who sends them. Eastcliff's system sends ADT as well, and your map can "
        "make nothing of them: they stop in the error queue, where nobody can mend them. Go by what the message is: OMI^O23.",
        by_known_senders: "You choose orders by who sends them. A system that is new here, NMH_RIS, sends imaging orders too, and they are "
        "lost, silently. Go by what the message is: MSH-9 and OBR-24.",
        omi_of_eastcliff: "You choose OMI^O23 by who sends them. A system that is new here, NMH_RIS, sends them too, and its orders are "
        "lost, silently. Go by what the message is: OMI^O23.",
        patients_of_the_his: "You choose ADT by who sends them. Not the HIS alone does, and what others say of patients is lost, "
        "silently. Go by what the message is: MSH-9.1.",
        patients_by_known_senders: "You choose ADT by who sends them. A system that is new here, NMH_RIS, sends ADT too, and they are "
        "lost, silently. Go by what the message is: MSH-9.1.",
        reports_of_the_dictation: "You choose reports by who sends them. Not the dictation alone does, and the reports of others are "
        "lost, silently. Go by what the message is: ORU^R01.",
        reports_untested: "The channel for reports does not ask whether it's a test. The rule is for whatever comes: begin every filter "
        "with it.",
        patients_untested: "The channel for ADT does not ask whether it's a test. The rule is for whatever comes: begin every filter "
        "with it.",
        orders_untested: "The channel for ORM^O01 does not ask whether it's a test. The rule is for whatever comes: begin every filter "
        "with it.",
        omi_untested: "The channel for OMI^O23 does not ask whether it's a test. The rule is for whatever comes: begin every filter with "
        "it.",
        types_alone: "You look at MSH-9.1 alone. The table names events: a bare ORM or OMI, or an ORU^R30 from the ward's blood gas "
        "analyser, is *anything else*. `message.event` is type and event together.",
        orders_of_any_event: "You look at MSH-9.1 of ORM alone. The table names the event: a bare ORM says nothing of its own and is "
        "*anything else*. `message.event` is type and event together.",
        reports_of_any_event: "You look at MSH-9.1 of reports alone. The table names the event, R01: R30 and R31 are measurements at the "
        "bedside, without an order, and the EMR has not agreed to take them.",
        modality_within_a_text: "You asked whether OBR-24 is somewhere in a *text*. An empty OBR-24 is in every text, so orders came "
        "through that name no department at all. `message[\"OBR-24\"] in imaging` asks for one of its elements.",
        every_order: "Every ORM^O01 goes to the archive, laboratory orders too. ORM is a *general* order; what is ordered stands in its "
        "content, here OBR-24.",
        tests_let_through: "Test patients reach production. Next month somebody will find ZZTEST among the statistics, or on a worklist.",
        processing_ignored: "You look at the name only. A sender that tests says so in MSH-11, Processing ID: T training, D debugging, P "
        "production (table 0103). Such messages bear ordinary names.",
        names_ignored: "You look at MSH-11 only. Test patients are registered in the *production* system, with P, and have "
        "to be told by their names.",
        name_is_zztest: "You drop ZZTEST alone. The rule says *begins with*: ZZTEST2 and ZZTESTER are test patients too.",
        zztest_anywhere: "You drop everybody with ZZTEST somewhere in the name. The rule says *begins with*: BUZZTEST is a family name, "
        "and that patient's orders are gone.",
        any_test_in_a_name: "You drop everybody with TEST somewhere in the name. Testa is a family name, and those patients' orders are "
        "gone. The rule says: begins with ZZTEST.",
        eastcliff_unmapped: "Eastcliff's orders reach HV_PACS as they came, as OMI^O23 of v2.5.1. It does not take these: "
        "the channel lacks its map.",
        first_step_only: "Of Eastcliff's orders with several steps only the first arrives. That is the step `to_orm`: "
        "does it go through all IPC?",
        everything_mapped: "You put the map on all orders. What is an ORM already has no IPC to map; those orders end in the error "
        "queue. A channel for each kind.",
        mapped_all_the_same: "The order that can't be mapped reached the archive as an ORM with nothing in it: the step did not stop. "
        "What is not there is read as `\"\"`, so nothing fails by itself: `to_orm` has to ask whether there is an IPC, and raise an "
        "exception if not (exercise 4).",
        swallowed: "The order that can't be mapped was passed on as it came. If you caught the exception and went on: now the archive has "
        "to find out. A step that can't do its work must fail; the engine then keeps the message in the error queue, where it is seen.",
        filtered_away: "The order without IPC is nowhere: not at the archive, not in the error queue. A filter drops silently, so it is "
        "no place for checks. An order that nobody can use is an error that somebody has to see.",
        delivered_twice: "Orders arrive twice. An engine gives each message to *every* channel whose filter takes it: "
        "two of yours take the same.",
        reports_to_the_archive: "The reports went to HV_PACS; the EMR waits for them.",
        some_events_only: "You listed some ADT events. The table says all: of those that are missing, merges, cancellations and new "
        "persons, nobody will tell the archive.",
    }
    hints = [
        'One channel for each of the first four lines of the table: `engine.channel("a name", filter=..., to=...)`, and `map=to_orm` for '
        "one of them.",
        "A filter is a function of the message that returns True or False. Write the test for real patients once, `def real(message): "
        "...`, and begin each filter with `real(message) and ...`.",
        "`message.event` is type and event together, `message[\"MSH-9.1\"]` the type alone; `message[\"PID-5.1\"].startswith(\"ZZTEST\")`.",
        "No filter has to look whether an OMI can be mapped, and nothing has to catch an exception: where `to_orm` raises one, for an "
        "order without IPC, the engine puts the message into the error queue by itself.",
    ]
    praise = ("Each receiver got its messages, whole, once and in order; what could not be mapped waits where somebody sees it. Your "
              "engine may run on Monday morning.")


def _connected(engine, real=None, omi=None, order=None, adt=None, report=None, step=None, every=(), emr="EMR", untested=None):
    """The channels of the exercise, with one idea changed."""
    real = real or (lambda message: message["MSH-11.1"] == "P" and not message["PID-5.1"].startswith("ZZTEST"))
    omi = omi or (lambda message: message.event == "OMI^O23")
    order = order or (lambda message: message.event == "ORM^O01" and message["OBR-24"] in imaging)
    adt = adt or (lambda message: message["MSH-9.1"] == "ADT")
    report = report or (lambda message: message.event == "ORU^R01")

    def tested(name, wanted):
        return lambda message: (name == untested or real(message)) and wanted(message)

    engine.channel("orders of Eastcliff", filter=tested("omi", omi), map=to_orm if step is None else step, to="HV_PACS")
    engine.channel("imaging orders", filter=tested("order", order), map=every, to="HV_PACS")
    engine.channel("patients", filter=tested("patient", adt), to="HV_PACS")
    engine.channel("reports", filter=tested("report", report), to=emr)


def _came(day, arrived, at_first, failed):
    """What came of a day's messages, in words: {what was looked at: what was seen}."""
    sent = {hl7.parse(octets).control_id: (kind, octets) for kind, octets in day}
    places = {}
    for name, messages in arrived.items():
        for message in messages:
            places.setdefault(message.control_id, []).append((name, message))

    def of(kind):
        return [control for control, (is_a, _) in sent.items() if is_a == kind]

    def told(controls, name, right):
        here = [[message for at, message in places.get(control, ()) if at == name] for control in controls]
        text = f"{sum(bool(one) for one in here)} of {len(controls)}"
        senders = {}
        for control, one in zip(controls, here):
            senders.setdefault(hl7.parse(sent[control][1]).sender, []).append(bool(one))
        silent = sorted(sender for sender, came in senders.items() if not any(came))
        text += f", none from {' and '.join(silent)}" if silent and len(silent) < len(senders) else ""
        if not all(here):
            lost = hl7.parse(sent[next(control for control, one in zip(controls, here) if not one)][1])
            for_whom = f", OBR-24 {lost['OBR-24']}" if lost["MSH-9.1"] == "ORM" else ""
            text += (f", the first that is missing has MSH-3 {lost.sender}, MSH-9 {lost['MSH-9']}, MSH-12 {lost['MSH-12']}, PID-5.1 "
                     f"{lost['PID-5.1']}{for_whom}")
        more = sum(len(one) > 1 for one in here)
        wrong = sum(not all(right(control, message) for message in one) for control, one in zip(controls, here))
        strays = sum(at != name for control in controls for at, _ in places.get(control, ()))
        for count, what in ((more, "more than once"), (wrong, "not in the form that is asked"), (strays, "elsewhere too")):
            text += f", {count} {what}" if count else ""
        return text

    def as_it_came(control, message):
        return message == hl7.parse(sent[control][1])        # other line ends don't matter

    def as_orm(control, message):
        return orm_parts(message) == orm_parts(OmiToOrm.solution(hl7.parse(sent[control][1])))

    def nowhere(controls):
        return f"{sum(control in places for control in controls)} of {len(controls)}"

    def which(controls):
        came = {hl7.parse(sent[control][1]).event for control in controls if control in places}
        return f"some of type {', '.join(sorted(came))}" if came else "none came"

    def tests_that_came():
        came = {}
        for control in of("test"):
            if control in places:
                message = hl7.parse(sent[control][1])
                name = message["PID-5.1"]
                why = f"named {name}" if name.startswith("ZZTEST") else f"with {message['MSH-11']} in MSH-11"
                came.setdefault(why, set()).add(message["MSH-9.1"])
        return "; ".join(f"{', '.join(sorted(types))} {why}" for why, types in sorted(came.items())) or "none came"

    def stopped(problems):
        if not problems:
            return "0"
        first = problems[0]
        number = len({problem.message.control_id for problem in problems})
        told = f"{number}, the first an {first.message.event} from {first.message.sender}"
        # What a map can make nothing of needs no more words; what a filter stumbles over does.
        return told if first.step in (to_orm.__name__, "to_orm") else f"{told}: {first.sentence.rstrip('.')}"

    order = [message.control_id for message in at_first]
    expected = sorted(order, key=list(sent).index)
    broken = of("cannot be mapped")
    caught = {problem.message.control_id for problem in failed}
    got = [message.event for control in broken for _, message in places.get(control, ())]
    return {
        "Other messages in the error queue because a step or a filter failed": stopped(
            [problem for problem in failed if problem.message.control_id not in broken]),
        "Test patients and test messages that reached somebody": tests_that_came(),
        "Orders for other departments, or for none, that reached somebody": nowhere(of("no order for us")),
        "OMI^O23 at HV_PACS, as ORM^O01": told(of("eastcliff"), "HV_PACS", as_orm),
        "Imaging orders that came as ORM^O01, at HV_PACS": told(of("order"), "HV_PACS", as_it_came),
        "ADT at HV_PACS": told(of("patient"), "HV_PACS", as_it_came),
        "Reports at the EMR": told(of("report"), "EMR", as_it_came),
        "Messages of types that nobody asked for that reached somebody": nowhere(of("nobody's")),
        "Messages without an event in MSH-9 that reached somebody": which(of("no event")),
        "ORU of other events, R30 and R31, that reached somebody": nowhere(of("point of care")),
        "The order without IPC": ("in the error queue" if set(broken) & caught else "not in the error queue")
        + (f", and at a receiver, as {got[0]}" if got else ""),
        "Order in which HV_PACS got them": "as they were sent" if order == expected else "not as they were sent",
    }


to_orm = OmiToOrm.solution              # as in the notebook, where exercise 9 uses the step of exercise 4
