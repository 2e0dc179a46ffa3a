r"""HL7 version 2 messages: read, changed, written and acknowledged.

    message = parse(octets)
    message["PID-5.1"]                        "" when it is not there
    message["PV1-3.1"] = "Emergency room"
    message.add("ZDS|2.999.4.7^HVGH^Application^DICOM")
    message.encode()

**Texts stand as they stand in a message**, with the separators of their parts and with their escapes, whichever way they go: what is
taken from one message can be put into another unchanged. ``unescape`` undoes the escapes of a text that leaves HL7, ``escape`` prepares
one that comes in. Inside a ``Message`` all texts use the usual separators ``|^~\&``, whatever MSH-1 and MSH-2 say: they are translated
when a message is read and when it's written, so ``text.split("^")`` is safe. A field that was not sent is "", one that says "delete the
value" is ``NULL``.

Sources: HL7 v2.5.1 chapter 2, sections 2.5.3 and 2.5.4 (fields, separators), 2.6 (construction rules), 2.7 (escapes), 2.9.2 and 2.9.3
(acknowledgements), 2.15.5 (ERR), 2.15.8 (MSA), 2.15.9 (MSH); tables 0008, 0103, 0155, 0211 and 0357.
"""

import re
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from coursekit.errors import CourseError

NULL = '""'                      # "delete what you have" (2.5.3), where an empty field says nothing
# Table 0211, as Python calls the encodings. No name means ASCII; what comes without one in practice is Latin-1, of which ASCII is a part.
CHARSETS = {
    "": "latin-1", "ASCII": "latin-1", "UNICODE UTF-8": "utf-8", "GB 18030-2000": "gb18030", "KS X 1001": "euc_kr", "BIG-5": "big5",
    **{f"8859/{part}": f"iso8859_{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
}
ERRORS = {               # table 0357
    "100": "Segment sequence error", "101": "Required field missing", "102": "Data type error", "103": "Table value not found",
    "200": "Unsupported message type", "201": "Unsupported event code", "202": "Unsupported processing id",
    "203": "Unsupported version id", "204": "Unknown key identifier", "205": "Duplicate key identifier",
    "206": "Application record locked", "207": "Application internal error",
}
COMMIT = {"AA": "CA", "AE": "CE", "AR": "CR"}            # table 0008: the accept acknowledgement of enhanced mode
ACCEPTED, REFUSED = ("AA", "CA"), ("AE", "AR", "CE", "CR")
_SEGMENT = r"[A-Z][A-Z0-9]{2}"
_NAME = re.compile(_SEGMENT)
_PATH = re.compile(rf"({_SEGMENT})(?:\[([1-9]\d*)\])?-(.+)", re.ASCII)
_PLACE = re.compile(r"(\d{1,4})(?:\[([1-9]\d*)\])?(?:\.([1-9]\d*)(?:\.([1-9]\d*))?)?", re.ASCII)
_LARGEST = 1000                  # no segment has as many fields, no field as many components: a typing error


class BadMessage(CourseError, ValueError):
    """What is no HL7 version 2 message, or can't be written as one."""


class BadPath(CourseError, LookupError):
    """A place in a message that is not named rightly, or where nothing can be put."""


class Refusal(CourseError):
    """A receiver does not accept a message.

    code   : "AE" when the message is at fault, "AR" when its type, processing ID or version is not served, or the receiver is at fault
             (2.9.2)
    reason : a sentence
    number : a key of ERRORS
    place  : where in the message, as ERR-2 has it: segment^sequence^field^repetition^component, such as "PID^1^3^1^4"
    """

    def __init__(self, code, reason, number="207", place=""):
        if code not in ("AE", "AR"):
            raise ValueError(f"a receiver refuses with AE or AR, not with {code!r}")
        if number not in ERRORS:
            raise ValueError(f"table 0357 has no error {number!r}" + ("" if isinstance(number, str) else "; its numbers are texts, as '207'"))
        for name, text in (("reason", reason), ("place", place)):
            if not isinstance(text, str):
                raise ValueError(f"the {name} of a refusal is text, not {type(text).__name__}")
        super().__init__(reason)
        self.code, self.reason, self.number, self.place = code, reason, number, place


class Separators(NamedTuple):
    """The characters of MSH-1 and MSH-2 (2.5.4); "" for one that a message does not have."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str

    @classmethod
    @lru_cache(maxsize=64)
    def read(cls, field, encoding):
        """From MSH-1 and MSH-2. A character that comes again in MSH-2 counts once: some senders double the backslash."""
        marks = "".join(dict.fromkeys(encoding))[:4]
        if len(field) != 1 or not marks or any(mark.isalnum() or not mark.isprintable() or mark == " " for mark in field + marks):
            raise BadMessage(f"MSH-1 {field!r} and MSH-2 {encoding[:20]!r} are no separators; usual are '|' and '^~\\&'.")
        if field in marks:
            raise BadMessage(f"MSH-1 {field!r} comes again in MSH-2.")
        return cls(field, *marks, *[""] * (4 - len(marks)))


USUAL = Separators("|", "^", "~", "\\", "&")


# Escapes

_ESCAPES = str.maketrans({"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "\n": "\\.br\\",
                          **{chr(code): f"\\X{code:02X}\\" for code in range(32) if code != 10}})
_LETTERS = {"F": "|", "S": "^", "T": "&", "R": "~", "E": "\\"}
_ESCAPED = re.compile(r"\\([^\\]*)\\")


def escape(text):
    r"""A text as a message holds it: separators become ``\F\ \S\ \T\ \R\ \E\``, a line end ``\.br\``, other control characters ``\X..\``.

    Section 2.7.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_ESCAPES)


def unescape(text):
    r"""The text that a message holds in escapes: ``escape`` undone, and ``\X..\`` read as UTF-8 or, if it's none, as Latin-1.

    Other sequences (``\H\ \N\`` highlighting, ``\C..\ \M..\`` character sets, ``\Z..\`` a site's own) stay as they are.
    """
    return _ESCAPED.sub(_unescaped, text) if "\\" in text else text


def _unescaped(found):
    body = found[1]
    if body in _LETTERS:
        return _LETTERS[body]
    if body == ".br":
        return "\n"
    if re.fullmatch(r"X(?:[0-9A-Fa-f]{2})+", body):
        octets = bytes.fromhex(body[1:])
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError:
            return octets.decode("latin-1")
    return found[0]


@lru_cache(maxsize=64)
def _translator(source, target):
    """A function that writes a text of one set of separators in another. What is a plain character here and a separator there is
    escaped there; what is escaped here and plain there is not."""
    letters = dict(zip(Separators._fields, "FSRET"))

    def plain(character):
        kind = next((kind for kind in letters if getattr(target, kind) == character), None)
        return character if kind is None or not target.escape else f"{target.escape}{letters[kind]}{target.escape}"

    table = {ord(mark): plain(mark) for mark in target if mark}
    for kind in letters:
        mark, other = getattr(source, kind), getattr(target, kind)
        if mark and kind != "escape":
            table[ord(mark)] = other or mark
    if source.escape == target.escape and source.escape:
        table.pop(ord(source.escape))                    # one without its partner stands as it is
    kinds = {letter: kind for kind, letter in letters.items()}
    mark = re.escape(source.escape)
    sequence = re.compile(f"{mark}([^{mark}]*){mark}") if mark else None

    def translate(text):
        if sequence is None:
            return text.translate(table)
        parts = sequence.split(text)                     # text, sequence, text, ..., text
        for place, part in enumerate(parts):
            if place % 2 == 0:
                parts[place] = part.translate(table)
            elif part in kinds and getattr(source, kinds[part]):
                parts[place] = plain(getattr(source, kinds[part]))
            else:
                parts[place] = target.escape + part + target.escape
        return "".join(parts)

    return translate


# Reading

def codec(octets):
    """Python's name of the encoding that MSH-18 of a message (bytes) declares; of an unknown one, Latin-1."""
    text = octets.decode("latin-1").lstrip("\r\n")
    fields = _line_ends(text[3:4]).split(text, 1)[0].split(text[3:4] or None)
    declared = fields[17] if len(fields) > 17 else ""
    marks = fields[1] if len(fields) > 1 else ""
    return CHARSETS.get(declared.split(marks[1])[0] if len(marks) > 1 else declared, "latin-1")


@lru_cache(maxsize=64)
def _line_ends(separator):
    return re.compile(rf"\r\n?|\n(?={_SEGMENT}(?:{re.escape(separator)}|[\r\n]|\Z))")


def split(text):
    """The segments of a message (text) as lists of fields, just as they stand there; field n is ``fields[n]``, in MSH too.

    Segments end with a carriage return; a line feed, or both, is taken as well where a segment follows. Raises nothing.
    """
    text = text.strip("\r\n")
    separator = text[3:4]
    found = []
    for line in _line_ends(separator).split(text):
        line = line.strip("\n")
        if line:
            fields = line.split(separator or None)
            if fields[0] == "MSH":
                fields.insert(1, separator)
            found.append(fields)
    return found


def parse(message):
    """A message (bytes, or text) as a ``Message``.

    Bytes are read in the character set that MSH-18 names. Any segment and field is taken, known or not (2.6.2). Raises BadMessage.
    """
    if isinstance(message, Message):
        return message.copy()
    if isinstance(message, str):
        text, octets = message, None
    elif isinstance(message, bytes | bytearray | memoryview):
        octets = bytes(message)
        text = octets.decode(codec(octets), "surrogateescape")
    else:
        raise BadMessage(f"A message is bytes or text, not {type(message).__name__}.")
    text = text.strip("\r\n")
    if not text.startswith("MSH"):
        raise BadMessage("It's a batch, not a message." if text[:3] in ("FHS", "BHS") else
                         f"A message begins with MSH, this one with {_shown(text[:12])!r}." if text else "It's empty.")
    lines = split(text)
    head = lines[0]
    separators = Separators.read(head[1], head[2] if len(head) > 2 else "")
    for number, fields in enumerate(lines, 1):
        if not _NAME.fullmatch(fields[0]):
            raise BadMessage(f"Line {number} begins with {_shown(fields[0][:20])!r}, which names no segment.")
        if number > 1 and fields[0] == "MSH":
            raise BadMessage(f"Line {number} is a second MSH: these are two messages.")
    if separators != USUAL:
        translate = _translator(separators, USUAL)
        for fields in lines:
            kept = 3 if fields is head else 1            # MSH-1 and MSH-2 are the separators themselves
            fields[kept:] = [translate(field) for field in fields[kept:]]
    return Message([Segment(fields) for fields in lines], octets)


def _shown(text):
    """A text without the marks of bytes that could not be decoded."""
    return text if text.isascii() else re.sub("[\udc80-\udcff]", "\ufffd", text)


class Segment:
    """A segment: ``segment[3]`` is a field, ``segment["3.1"]`` a component, ``segment["3[2].1.1"]`` a subcomponent of the second
    repetition. Shown as it stands in a message.

    fields : text such as "ZDS|2.999.4.7^HVGH", or a list: its name, then its fields
    """

    __slots__ = ("_fields",)

    def __init__(self, fields):
        if isinstance(fields, str):
            fields = fields.rstrip("\r\n").split("|")
            if not _NAME.fullmatch(fields[0]) or fields[0] == "MSH":
                raise BadMessage(f"{fields[0][:20]!r} names no segment that can be added.")
            for field in fields:
                _proper(field, "|\r\n", "a segment")
        self._fields = fields

    @property
    def name(self):
        """Its name, such as "PID"."""
        return self._fields[0]

    @property
    def fields(self):
        """A list of its fields, its name first."""
        return [_shown(field) for field in self._fields]

    def __len__(self):
        return len(self._fields) - 1

    def __getitem__(self, place):
        field, repetition, component, subcomponent = _place(place)
        text = self._fields[field] if field < len(self._fields) else ""
        if self.name == "MSH" and field < 3:
            return text
        if repetition or component:
            text = _part(text, "~", repetition or 1)
        if component:
            text = _part(text, "^", component)
        if subcomponent:
            text = _part(text, "&", subcomponent)
        return _shown(text)

    def __setitem__(self, place, text):
        field, repetition, component, subcomponent = _place(place)
        where = f"{self.name}-{place}"
        if field == 0:
            raise BadPath("Fields are counted from 1; place 0 is the segment's name.")
        if not isinstance(text, str):
            raise BadPath(f"{where} takes text, not {type(text).__name__}.")
        if self.name == "MSH" and field < 3:
            old = Separators.read(self._fields[1], self._fields[2])
            Separators.read(*((text, self._fields[2]) if field == 1 else (old.field, text)))
            self._fields[field] = text
            return
        if subcomponent:
            _proper(text, "|~^&\r\n", where)
        elif component:
            _proper(text, "|~^\r\n", where)
        else:
            _proper(text, "|~\r\n" if repetition else "|\r\n", where)
        while len(self._fields) <= field:
            self._fields.append("")
        marks = (("~", (repetition or component) and (repetition or 1)), ("^", component), ("&", subcomponent))
        self._fields[field] = _with_part(self._fields[field], [(mark, number) for mark, number in marks if number], text)

    def __eq__(self, other):
        return isinstance(other, Segment) and self._fields == other._fields

    __hash__ = None

    def __repr__(self):
        return "|".join(self.fields if self.name != "MSH" else [self.name, *self.fields[2:]])


def _part(text, mark, number):
    parts = text.split(mark)
    return parts[number - 1] if number <= len(parts) else ""


def _with_part(text, marks, new):
    if not marks:
        return new
    (mark, number), *deeper = marks
    parts = text.split(mark)
    parts += [""] * (number - len(parts))
    parts[number - 1] = _with_part(parts[number - 1], deeper, new)
    return mark.join(parts)


def _proper(text, marks, where):
    wrong = next((mark for mark in marks if mark in text), None)
    if wrong is not None:
        raise BadPath(f"{where} can't hold {text[:40]!r}: {wrong!r} would separate it. hl7.escape() prepares a text from outside.")


@lru_cache(maxsize=4096)
def _place(place):
    found = _PLACE.fullmatch(str(place))
    if not found or max(numbers := [int(number or 0) for number in found.groups()]) > _LARGEST:
        raise BadPath(f"{place!r} names no place in a segment; write 3 for a field, '3.1' for a component, '3[2].1' for that of the second "
                      "repetition.")
    return numbers


@lru_cache(maxsize=4096)
def _path(path):
    found = _PATH.fullmatch(path) if isinstance(path, str) else None
    if not found:
        raise BadPath(f"{path!r} names no place in a message; write PID-5 for a field, PID-5.1 for a component, OBX[2]-5 for that of the "
                      "second OBX.")
    return found[1], int(found[2] or 1), found[3]


class Message:
    """A message: its segments in order. Made by ``parse``; shown with one segment on a line.

    ``message["PID-3"]`` is a whole field, repetitions included; ``message["PID-3[2]"]`` one repetition; ``message["PID-3.4.2"]`` a
    subcomponent of a component, of the first repetition unless one is named; ``message["OBX[2]-5"]`` a field of the second OBX. Each can
    be set, too. What is not there is "".

    received : the bytes from which it was read; None when it was read from text or has been copied
    """

    def __init__(self, segments, received=None):
        self._segments, self.received = segments, received

    @property
    def control_id(self):
        """MSH-10."""
        return self["MSH-10"]

    @property
    def event(self):
        """Type and trigger event, such as "ADT^A04"; "ACK" for a general acknowledgement."""
        kind, trigger = self["MSH-9.1"], self["MSH-9.2"]
        return kind if kind == "ACK" or not trigger else f"{kind}^{trigger}"

    @property
    def sender(self):
        """The sending application, MSH-3.1."""
        return self["MSH-3.1"]

    def segments(self, name=None):
        """A list of the segments, or of those of that name."""
        return [segment for segment in self._segments if name is None or segment.name == name]

    def segment(self, name):
        """The first segment of that name. Raises BadPath when there is none."""
        return self._segment(name, 1)

    def _segment(self, name, number):
        found = self._found(name, number)
        if found is None:
            which = f"{name} segment" if number == 1 else f"{name} segment number {number}"
            raise BadPath(f"The message has no {which}; message.add() makes one.")
        return found

    def _found(self, name, number):
        for segment in self._segments:
            if segment._fields[0] == name:
                number -= 1
                if not number:
                    return segment
        return None

    def __contains__(self, name):
        return self._found(name, 1) is not None

    def __getitem__(self, path):
        name, number, place = _path(path)
        segment = self._found(name, number)
        if segment is None:
            _place(place)
            return ""
        return segment[place]

    def __setitem__(self, path, text):
        name, number, place = _path(path)
        self._segment(name, number)[place] = text

    def add(self, segment, after=None):
        """Add a segment (a ``Segment``, or text such as "NTE|1||text") at the end, or after one (a ``Segment``, or the last of a name).

        Returns the segment that was added. Raises BadPath when there is none to follow.
        """
        if isinstance(after, str):
            named = self.segments(after)
            if not named:
                raise BadPath(f"The message has no {after} segment after which one could stand.")
            after = named[-1]
        new = Segment(list(segment._fields)) if isinstance(segment, Segment) else Segment(segment)
        self._segments.insert(len(self._segments) if after is None else self._where(after) + 1, new)
        return new

    def remove(self, segment):
        """Remove a ``Segment``, or all segments of a name; one that is not there is none to remove. MSH stays."""
        if isinstance(segment, Segment):
            gone = [self._where(segment)]
        else:
            gone = [place for place, one in enumerate(self._segments) if one.name == segment]
        if 0 in gone:
            raise BadPath("A message can't be without MSH.")
        for place in reversed(gone):
            del self._segments[place]

    def _where(self, segment):
        for place, one in enumerate(self._segments):
            if one is segment:                           # equal ones may come twice
                return place
        raise BadPath("The segment is not of this message.")

    def copy(self):
        """Another message that is equal."""
        return Message([Segment(list(segment._fields)) for segment in self._segments])

    def encode(self):
        """The message as bytes: each segment ends with a carriage return, in the separators of MSH-1 and MSH-2 and the character set of
        MSH-18. Raises BadMessage when a character is not in that set.
        """
        text = "".join(line + "\r" for line in self._lines())
        declared = self["MSH-18[1]"]
        try:
            return text.encode(CHARSETS.get(declared, "latin-1"), "surrogateescape")
        except UnicodeEncodeError as error:
            wrong = text[error.start:error.start + 1]
            raise BadMessage(f"The character {wrong!r} can't be written in the message's character set, MSH-18 {declared!r}.") from None

    def _lines(self):
        head = self._segments[0]._fields
        separators = Separators.read(head[1], head[2])
        translate = None if separators == USUAL else _translator(USUAL, separators)
        for segment in self._segments:
            fields = segment._fields
            if fields is head:
                start, fields = [head[0] + separators.field + head[2]], fields[3:]
            else:
                start, fields = [fields[0]], fields[1:]
            yield separators.field.join(start + ([translate(field) for field in fields] if translate else fields))

    def __eq__(self, other):
        return isinstance(other, Message) and self._segments == other._segments

    __hash__ = None

    def __repr__(self):
        return "\n".join(map(_shown, self._lines()))


def parts(message):
    """What a message (bytes, text or ``Message``) says, leaf by leaf: for comparing one with another.

    Returns {"segments": "MSH PID OBR", "PID-3.1": "HV100234", "PID-3[2].4.2": "2.999.4", "OBX[2]-5.1": ...}: components always have their
    number, a first repetition, segment or subcomponent has none. Values without escapes; what is empty is left out, and so are MSH-1
    and MSH-2, whose marks separate and say nothing. Raises BadMessage.
    """
    read = parse(message)
    found = {"segments": " ".join(segment.name for segment in read.segments())}
    seen = {}
    for segment in read.segments():
        seen[segment.name] = number = seen.get(segment.name, 0) + 1
        name = _numbered(segment.name, number)
        first = 3 if segment.name == "MSH" else 1
        for place, field in enumerate(segment.fields[first:], first):
            for repetition, text in enumerate(field.split("~"), 1):
                for component, inside in enumerate(text.split("^"), 1):
                    for subcomponent, leaf in enumerate(inside.split("&"), 1):
                        if leaf:
                            where = f"{name}-{_numbered(place, repetition)}.{component}"
                            found[where + (f".{subcomponent}" if subcomponent > 1 else "")] = unescape(leaf)
    return found


def _numbered(name, number):
    return f"{name}[{number}]" if number > 1 else str(name)


# Acknowledgements

def check_header(message):
    """Refuse a message whose header nobody could act on: raises Refusal.

    MSH-9 to MSH-12 are required; AR for a processing ID that table 0103 does not have and for another major version (2.9.2, 2.15.9).
    """
    for number in (9, 10, 11, 12):
        if message[f"MSH-{number}"] in ("", NULL):
            raise Refusal("AE", f"MSH-{number} is empty.", "101", f"MSH^1^{number}")
    if message["MSH-11.1"] not in ("P", "D", "T"):
        raise Refusal("AR", f"MSH-11 is {message['MSH-11']!r}: not P, D or T.", "202", "MSH^1^11")
    if not message["MSH-12.1"].startswith("2."):
        raise Refusal("AR", f"MSH-12 is {message['MSH-12']!r}: not a version 2.", "203", "MSH^1^12")


def enhanced(message):
    """Whether a message asks for acknowledgements of enhanced mode: MSH-15 or MSH-16 is there (2.9.3)."""
    return not {message["MSH-15"], message["MSH-16"]} <= {"", NULL}


def wanted(condition, accepted):
    """Whether MSH-15 or MSH-16 (table 0155) wants an acknowledgement of a message that was `accepted` or not."""
    return condition == "AL" or condition == ("SU" if accepted else "ER")


def same_as_original(message):
    """Whether a message of enhanced mode wants what original mode gives: no accept acknowledgement, an application acknowledgement
    always (2.9.3)."""
    return enhanced(message) and message["MSH-15"] in ("", NULL, "NE") and message["MSH-16"] == "AL"


def reply(message, refusal=None, at=None):
    """What a receiver answers at once, on the same connection: an acknowledgement, or None when the message wants none.

    In original mode that is the application acknowledgement, AA, AE or AR; in enhanced mode the accept acknowledgement, CA, CE or CR
    (CR when type, processing ID or version is not served), if MSH-15 wants it.

    refusal : the Refusal; None when the message is accepted
    at      : text for MSH-7, the present time if None
    """
    _only_a_refusal(refusal)
    if not enhanced(message) or same_as_original(message):
        return acknowledgement(message, refusal, at)
    if not wanted(message["MSH-15"], refusal is None):
        return None
    code = "CA" if refusal is None else "CR" if refusal.number in ("200", "201", "202", "203") else "CE"
    return _answer(message, code, refusal, at)


def acknowledgement(message, refusal=None, at=None):
    """The application acknowledgement of a message: AA, or the code of the `refusal`; `at` as for ``reply``.

    It's written in the message's own separators and version, for its sender; MSA-2 is its MSH-10, and MSH-10 one of its own.
    """
    _only_a_refusal(refusal)
    return _answer(message, "AA" if refusal is None else refusal.code, refusal, at)


def _only_a_refusal(refusal):
    if refusal is not None and not isinstance(refusal, Refusal):
        raise TypeError(f"a message is refused with an hl7.Refusal, such as hl7.Refusal(\"AE\", \"a sentence\"), not with {refusal!r:.60}")


def unreadable(octets, reason, at=None):
    """The ``reply`` to bytes that are no message, or not a whole one: AE or CE, to whom and about what as far as their MSH can be read."""
    try:
        head = parse(re.split(rb"[\r\n]", octets.lstrip(b"\r\n"), maxsplit=1)[0])
    except BadMessage:
        head = Message([Segment(["MSH", "|", "^~\\&", *[""] * 8, "P", "2.5.1"])])
    return reply(head, Refusal("AE", reason, "100", "MSH^1"), at)


def _answer(message, code, refusal, at):
    head = message.segments()[0]._fields + [""] * 18                                     # as they came, undecodable bytes and all
    version, trigger = _part(head[12], "^", 1), _part(head[9], "^", 2)
    at = at or datetime.now().astimezone().strftime("%Y%m%d%H%M%S%z")
    fields = ["MSH", head[1], head[2], head[5], head[6], head[3], head[4], at, "", "ACK", "K" + head[10][-18:], head[11], head[12]]
    if trigger:
        fields[9] = f"ACK^{trigger}" + ("^ACK" if version >= "2.3.1" else "")             # MSH-9.3 came with 2.3.1
    if not "".join(fields).isascii():
        fields += [""] * 5 + [head[18]]
    lines = [Segment(fields), Segment(["MSA", code, head[10]])]
    if refusal is not None:
        reason = escape(refusal.reason.encode("ascii", "replace").decode("ascii"))        # every character set has these
        error = ERRORS[refusal.number]
        if version >= "2.5":
            lines.append(Segment(["ERR", "", refusal.place, f"{refusal.number}^{error}^HL70357", "E", "", "", "", reason]))
        else:
            # ERR-1 is segment^sequence^field^code&text&table there, and MSA-3 the only place for a sentence.
            where = (refusal.place.split("^") + ["", "", ""])[:3]
            lines[1]._fields.append(reason)
            lines.append(Segment(["ERR", "^".join([*where, f"{refusal.number}&{error}&HL70357"])]))
    return Message(lines)


def complaint(acknowledgement):
    """What an acknowledgement says, in a line: its code, and the errors that it names."""
    said = []
    for error in acknowledgement.segments("ERR"):
        code, place = (error["3"], error["2"]) if error["3"] else (error["1.4"].replace("&", "^"), "^".join(error["1"].split("^")[:3]))
        parts = [part for part in code.split("^")[:2] if part]
        said.append(" ".join(parts) + (f" at {place}" if place.strip("^") else ""))
        said.append(unescape(error["8"]))
    said.append(unescape(acknowledgement["MSA-3"]))
    said = [text for text in said if text]
    return acknowledgement["MSA-1"] + (": " + "; ".join(said) if said else "")
