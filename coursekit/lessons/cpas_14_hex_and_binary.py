"""Low-level logs and configuration in hex and binary: the exercises of lesson cpas-14."""

import re

from coursekit.checking import Bytes, Choice, Function, Kind, Lesson, Number, Set, Table, Text
from coursekit.checking.kinds.base import Difference
from coursekit.checking.reading import Unclear, Unreadable, describe, is_a, plain, short
from coursekit.checking.verdict import Verdict
from coursekit.hospital import bytes as artefacts
from coursekit.standards import dicom

lesson = Lesson(
    "cpas-14",
    title="Low-level logs and configuration in hex and binary",
    version=1,
    minutes=120,
    objectives=[
        "read numbers, switches and names out of a binary configuration and an exported registry key",
        "decode an association request and its refusal from the bytes of a trace, and an HL7 stream from its frame bytes",
        "walk through a DICOM file element by element, find the byte that stops a viewer, and repair a copy",
    ],
    covers=["evaluate low-level log and configuration files in hex or binary"],
    needs=["cpas-01"],
)


def switch(value):
    """The name of a switch, from its name, the number of its bit, or both as the notebook prints them: "5 audit"."""
    number, name = re.fullmatch(r"(?:bit\s*)?(\d*)[\s:.=-]*(.*)", str(value).strip(" '\"").casefold()).groups()
    by_number = artefacts.OPTIONS[int(number)] if number and int(number) < len(artefacts.OPTIONS) else ""
    if number and not by_number or name and name not in artefacts.OPTIONS or not (number or name):
        raise ValueError("that is no name in switch_names")
    if by_number and name and name != by_number:
        raise ValueError("the number and the name do not belong together")
    return name or by_number


def digits_of_the_row(offset):
    """An offset as somebody reckons it who takes the digits of the dump's row for a decimal number and adds the column."""
    return int("".join(digit for digit in f"{offset & ~15:x}" if digit.isdigit()) or 0) + (offset & 15)


def length_as_written(value):
    """A length, in decimal or with 0x in front."""
    if isinstance(value, (bytes, bytearray)):
        raise ValueError("these are bytes; `int.from_bytes(..., \"little\")` makes the number of them")
    text = re.sub(r"(?i)\s*bytes?$", "", value.strip()) if isinstance(value, str) else str(value)
    if re.fullmatch(r"(?=.*[a-f ])[0-9a-f ]+", text, re.IGNORECASE):
        raise ValueError("if these are the bytes of the dump, put them in the right order and write `0x` in front, without blanks")
    if not re.fullmatch(r"0[xX][0-9a-fA-F]+|\d+(\.0+)?", text):
        raise ValueError("a length is a whole number, in decimal or in hexadecimal with `0x` in front")
    return int(text, 16) if text.casefold().startswith("0x") else int(float(text))


def tag_as_seen(value):
    """A tag as `dicom.tag` reads it; four bytes, or their digits with blanks between, stand in the order in which they are given."""
    if isinstance(value, str) and len(value) == 4 and "\0" in value:          # bytes cut out of the file
        value = value.encode("latin-1").hex()
    elif isinstance(value, str) and re.fullmatch(r"([0-9a-f]{2} +){3}[0-9a-f]{2}", value.strip(), re.IGNORECASE):
        value = value.replace(" ", "")
    return dicom.tag(value)


class BinaryNumber(Number):
    """A number that stands in bytes, in decimal or hexadecimal; hexadecimal digits with `h` or "hex" behind them are taken as such.

    `spelled` is a pattern of what may stand behind the number besides the unit.
    """

    def __init__(self, variables, unit="", tolerance=0, named=(), spelled=""):
        super().__init__(variables, unit, tolerance, named)
        self.spelled = spelled

    def read(self, given):
        """As for every number; what is not yet a number, or two of them, is told how to make it one."""
        if is_a(given, (bytes, bytearray, memoryview)):
            raise Unreadable("These are bytes, not yet a number. `int.from_bytes(..., \"big\")`, or `\"little\"`, makes a number of them: "
                             "which one, says whoever defined the format.")
        if is_a(given, tuple) and len(given) > 1:
            raise Unreadable("These are several numbers, and one is asked. (A comma that was to part the thousands of one number: leave "
                             "it out.)")
        text = plain(given).strip() if is_a(given, str) else ""
        if self.spelled and (shorter := re.sub(rf"(?i)\s*(?:{self.spelled})$", "", text)) != text:
            given = text = shorter
        if re.fullmatch(r"(?i)(0x)?[0-9a-f]+(\s*[-+*]\s*(0x)?[0-9a-f]+)+", text) and "0x" in text.casefold():
            raise Unreadable(f"{short(text)} is a calculation in quotes. Leave the quotes out, and Python works it out.")
        if re.search(r"\d\W+0[xX][0-9a-fA-F]|0[xX][0-9a-fA-F]+\W+\d", text):
            raise Unreadable(f"{short(text)} is the number in two spellings. Give one of them: decimal, or hexadecimal with `0x` in front.")
        if re.fullmatch(r"0[xX](\s+[0-9a-fA-F]+)+", text):
            raise Unreadable(f"{short(text)}: write `0x` directly in front of the digits, without blanks.")
        if found := re.fullmatch(r"(?i)(?:0x)?([0-9a-f]+)\s*\(?(?:h|hex|hexadecimal)\)?", text):
            given = int(found[1], 16)
        elif re.fullmatch(r"0+[0-9a-fA-F]+", text) and not text.isdigit():
            raise Unreadable(f"{short(text)}: if these are hexadecimal digits, write `0x` in front, without blanks.")
        return super().read(given)


class RegistryNumber(BinaryNumber):
    """A number out of an exported registry key, which is asked as a number and not as regedit writes it."""

    def read(self, given):
        """As for every number out of bytes."""
        if is_a(given, str) and "dword" in given.casefold():
            raise Unreadable("`dword:` is how regedit marks the number. Give the number alone: in decimal, or in hexadecimal with `0x` "
                             "in front.")
        return super().read(given)


class DecodedText(Text):
    """Text out of bytes; bytes in writing are told how to make text of them."""

    def read(self, given):
        """As for every text."""
        text = plain(given).strip() if is_a(given, str) else ""
        if re.fullmatch(r"b(['\"]).*\1", text):
            raise Unreadable(f"{short(text)} is how Python writes bytes. `.decode(\"ascii\")` makes text of them, `str` does not.")
        if re.fullmatch(r"(?i)[0-9a-f]{2}(\s+[0-9a-f]{2})+", text):
            raise Unreadable("These are the bytes of it, in hexadecimal. Give the text that they stand for.")
        return super().read(given)


class Messages(Kind):
    """A list of messages as bytes: compared in order, and each to its last byte."""

    takes = "a list of bytes"

    def read(self, given):
        """The list."""
        if is_a(given, (set, frozenset)):
            raise Unclear("a set, which forgets the order of the messages")
        value = plain(given)
        if type(value) is not list:
            raise Unclear(describe(given))
        if any(type(message) is str for message in value):
            raise Unclear("a list that holds text: messages are bytes here, so leave out `decode` and `str`")
        for message in value:
            if type(message) is not bytes:
                raise Unclear(f"a list that holds {describe(message)}")
        return value

    def difference(self, answer, other):
        """None when both hold the same messages."""
        if answer == other:
            return None
        if len(answer) != len(other) and answer == list(dict.fromkeys(other)):
            return Difference("A message that came twice is in your list once. Both were received; whether the second is a repeat is "
                              "settled later.", "count")
        if len(answer) != len(other):
            return Difference(f"These are too {'many' if len(answer) > len(other) else 'few'} messages.", "count")
        if sorted(answer) == sorted(other):
            return Difference("The messages are right, but not in the order in which they came.", "order")
        place, got, right = next((place, a, b) for place, (a, b) in enumerate(zip(answer, other), 1) if a != b)
        if right in got:
            return Difference(f"Message {place} holds more than it should: bytes of the frame, of its neighbours, or such as nobody "
                              "sent.", "more")
        if got and got in right:
            return Difference(f"Of message {place} something is missing at its beginning or end. Each byte between the frame bytes belongs "
                              "to it, the `0D` that ends the last segment too.", "less")
        alike = next((at for at, (a, b) in enumerate(zip(got, right)) if a != b), min(len(got), len(right)))
        if alike > len("MSH|"):
            return Difference(
                f"Message {place} is as it was sent up to its byte {alike}, counted from 0; from there on it was changed. A receiver "
                "hands on each byte as it came: it decodes nothing, and tidies up no ends of segments.", "changed"
            )
        return Difference(f"Message {place} is not what was sent.", "value")


class RepairedCopy(Bytes):
    """The bytes of a repaired DICOM file; a difference is named by the element in which it lies, because nobody sees the other files."""

    def difference(self, answer, other):
        """None when all bytes agree."""
        if answer == other:
            return None
        named = _transfer_syntax(answer)
        if named and named != artefacts.EXPLICIT and answer[:132] == other[:132]:
            return Difference(
                f"In your copy (0002,0010) says `{named}`, "
                + ("which is what it said before. " if named == artefacts.IMPLICIT else "but that is not how the data set is written. ")
                + "PS3.5 Annex A lists the transfer syntaxes; `ct_file`, which the viewer shows, is written like this file.",
                "transfer syntax"
            )
        first = next((at for at, (a, b) in enumerate(zip(answer, other)) if a != b), min(len(answer), len(other)))
        if 140 <= first < 144 and len(answer) > 144:
            says, has = (int.from_bytes(data[140:144], "little") for data in (answer, other))
            alone = answer[144:] == other[144:]
            return Difference(
                f"{'All is right but' if alone else 'Look first at'} the value of (0002,0000), the group length: in your copy it says "
                f"{says}, while group 2 of a right one has {has} bytes behind it. If your function writes a fixed number, or looks for "
                "one, it fits `refused` alone: make the new length from the old one in `data`.",
                "group length",
            )
        if first == len(other):
            return Difference("All of the file is there and right, but something follows that does not belong to it.", "value")
        where = _part_of(other, first)
        if first == len(answer):
            return Difference(f"The copy ends too early, in {where}.", "value")
        if first >= 144 + int.from_bytes(other[140:144], "little"):
            return Difference(
                f"Group 2 is right now, but the copy changes more than was asked: the first needless change is in {where}. (`.replace` "
                "changes every place where such bytes stand: give it so many that they stand in one place only.)", "more"
            )
        return Difference(f"The first byte that is not right is at offset {first} of the copy, in {where}.", "value")


def _transfer_syntax(data):
    """The UID in (0002,0010) of a file, without padding; "" where there is no such element or its length is not that of a UID."""
    at = data.find(b"\x02\x00\x10\x00UI", 132)
    length = int.from_bytes(data[at + 6 : at + 8], "little")
    value, behind = data[at + 8 : at + 8 + length].rstrip(b"\0 "), data[at + 8 + length : at + 10 + length]
    return value.decode() if at >= 0 and re.fullmatch(rb"[0-9.]{1,64}", value) and behind in (b"\x02\0", b"\x08\0") else ""


class FunctionOnFiles(Function):
    """A function that is called on the bytes of DICOM files, of which the preamble is not worth showing."""

    def _as_written(self, case):
        return f"a file of {len(case[0]):,} bytes, from offset 132 on `{case[0][132:156].hex(' ')} ...`,"

    def _told(self, case, value):
        data = plain(value)
        if type(data) is not bytes:
            return super()._told(case, value)
        return f"For {self._as_written(case)} it returned {len(data):,} bytes, from offset 132 on `{data[132:156].hex(' ')} ...`."

    def _stopped(self, ran, cases):
        verdict = super()._stopped(ran, cases)
        (data,) = cases[len(ran.returned)]
        length = int.from_bytes(data[140:144], "little")
        message = f"{verdict.message} In that file the group length, four bytes from offset 140, is {length}."
        return Verdict(verdict.outcome, message, verdict.label)


def _part_of(data, offset):
    """The part of a DICOM file in which an offset lies, in words: "the length of (0008,0060)"."""
    at = 132
    while at <= offset:
        long = data[at + 4 : at + 6].decode("latin-1") in artefacts.LONG_VRS
        value = at + (12 if long else 8)
        length = int.from_bytes(data[value - 4 : value] if long else data[value - 2 : value], "little")
        end = data.index(b"\xfe\xff\xdd\xe0", value) + 8 if length == 0xFFFFFFFF else value + length
        if offset < end:
            tag = f"({data[at + 1]:02x}{data[at]:02x},{data[at + 3]:02x}{data[at + 2]:02x})"
            part = "tag" if offset < at + 4 else "VR" if offset < at + 6 else "length" if offset < value else "value"
            return f"the {part} of {tag}"
        at = end
    return "the preamble or the prefix"


@lesson.input
def config(hospital):
    """hvpacs.bin, the binary configuration of the stand-by archive."""
    return artefacts.config(hospital.seed)


@lesson.input
def switch_names(hospital):
    """The meaning of the bits in byte 8 of hvpacs.bin, bit 0 first."""
    return artefacts.OPTIONS


@lesson.input
def registry(hospital):
    """hvgate.reg, the registry key of the gateway as regedit exported it."""
    return artefacts.registry_export(hospital.seed)


@lesson.input
def installation_sheet(hospital):
    """What was to be set on the gateway when it was installed."""
    return artefacts.installation_sheet(hospital.seed)


@lesson.input
def trace(hospital):
    """hvmwl.trc, the bytes between the CT and the worklist: request, then refusal."""
    return artefacts.association_trace(hospital.seed)


@lesson.input
def stream(hospital):
    """mllp.trc, three HL7 messages from RIS to engine, one of them faulty."""
    return artefacts.mllp_stream(hospital.seed)


@lesson.input
def ct_file(hospital):
    """17_0011.dcm, a slice that the viewer shows."""
    return artefacts.dicom_file(hospital.seed)


@lesson.input
def mark(hospital):
    """The offset of one element in 17_0011.dcm."""
    starts = (
        b"\x10\x00\x20\x00LO", b"\x10\x00\x30\x00DA", b"\x20\x00\x10\x00SH", b"\x18\x00\x60\x00DS", b"\x28\x00\x04\x00CS",
        b"\x20\x00\x13\x00IS",
    )
    return artefacts.dicom_file(hospital.seed).index(starts[hospital.seed % len(starts)])


@lesson.input
def refused(hospital):
    """17_0012.dcm, the slice that the viewer refuses."""
    return artefacts.damaged_file(hospital.seed)


@lesson.exercise
class ArchivePort:
    """On which **TCP port** does the stand-by archive listen, according to `config`?

    Give the number in decimal, or as hexadecimal with `0x` in front.
    """

    answer = BinaryNumber("port", named=("tcp port", "port"), spelled=r"/\s*tcp")

    def solution(config):
        return int.from_bytes(config[6:8], "big")

    def little_endian(config):
        return int.from_bytes(config[6:8], "little")

    def second_byte(config):
        return config[7]

    def side_by_side(config):
        return int(f"{config[6]}{config[7]}")

    def counted_from_one(config):
        return int.from_bytes(config[5:7], "big")

    wrong_ways = {
        little_endian: "You read the two bytes from right to left, as little endian. That is how DICOM data sets do it, but the "
        "vendor's table says big endian: the first byte weighs 256 times as much as the second.",
        second_byte: "That is the second byte alone. A port takes two bytes, because it can be as high as 65535; one byte ends "
        "at 255.",
        side_by_side: "You turned each byte into decimal and wrote the two side by side. Only hexadecimal digits can be joined "
        "that way: two of them are exactly one byte. In decimal the first byte counts 256-fold.",
        counted_from_one: "You started one byte too early. Offsets count from 0, so the byte at offset 6 is the seventh.",
    }
    hints = [
        "The vendor's table says at which offset the port begins, how many bytes it takes and in which order they stand.",
        "In Python, `config[a:b]` holds the bytes from offset a up to, but not including, offset b.",
        '`int.from_bytes(config[a:b], "big")` turns a slice into a number. Fill in a and b.',
    ]
    praise = "This is the number to look for in the firewall's rules and in the modalities' tables."


@lesson.exercise
class Switches:
    """Which switches are **on** in the stand-by archive?

    Answer with a list of their names, in any order, as they stand in `switch_names`.
    """

    answer = Set("switched_on", reading=switch)

    def solution(config, switch_names):
        bits = f"{config[8]:08b}"
        names = []
        for bit, name in enumerate(switch_names):
            # bit 0 is the last of the eight digits, bit 7 the first
            if bits[7 - bit] == "1":
                names.append(name)
        return names

    def from_the_left(config, switch_names):
        return [switch_names[bit] for bit in range(8) if config[8] >> (7 - bit) & 1]

    def from_one(config, switch_names):
        return [switch_names[bit + 1] for bit in range(7) if config[8] >> bit & 1]

    def those_off(config, switch_names):
        return [switch_names[bit] for bit in range(8) if not config[8] >> bit & 1]

    def digits_as_decimal(config, switch_names):
        return [switch_names[bit] for bit in range(8) if int(f"{config[8]:02x}") >> bit & 1]

    wrong_ways = {
        from_the_left: "You counted the bits from the left. Bit 0 is the one with the least weight, the rightmost when a byte is "
        "written in binary.",
        from_one: "You numbered the bits from 1, so each name slipped by one place. The rightmost bit is bit 0.",
        those_off: "Those are the switches whose bit is 0. Here 1 means on.",
        digits_as_decimal: "You took the two hexadecimal digits for a decimal number and turned that into binary. Each "
        "hexadecimal digit is four bits of its own: write the two groups of four side by side.",
    }
    hints = [
        "All eight switches live in the one byte at offset 8.",
        '`f"{config[8]:08b}"` writes that byte as eight bits. Bit 0 is the rightmost.',
        "Read the eight digits from right to left and `switch_names` from the start: where there is a 1, the name is on.",
    ]
    praise = (
        "Such a list can be proved by adding up: bit 0 weighs 1, bit 1 weighs 2, bit 2 weighs 4, and so on. The weights of the switches "
        "that are on give the byte."
    )


@lesson.exercise
class GatewayPort:
    """On which **TCP port** is the gateway really set to listen, according to the exported key in `registry`?

    Give the number in decimal, or as hexadecimal with `0x` in front.
    """

    answer = RegistryNumber("gateway_port", named=("tcp port", "port"), spelled=r"/\s*tcp")

    def solution(registry):
        text = registry.decode("utf-16")
        digits = text.split('"Port"=dword:')[1][:8]
        return int(digits, 16)

    def as_decimal(registry):
        return int(registry.decode("utf-16").split('"Port"=dword:')[1][:8])

    def bytes_swapped(registry):
        return int.from_bytes(bytes.fromhex(registry.decode("utf-16").split('"Port"=dword:')[1][:8]), "little")

    def last_two_swapped(registry):
        return int.from_bytes(bytes.fromhex(registry.decode("utf-16").split('"Port"=dword:')[1][4:8]), "little")

    def the_timeout(registry):
        return int(registry.decode("utf-16").split('"IdleTimeout"=dword:')[1][:8], 16)

    wrong_ways = {
        as_decimal: "That is the port on the installation sheet, not the one that is set. After `dword:` regedit always writes hexadecimal "
        "digits, so these digits are no decimal number.",
        bytes_swapped: "You turned the bytes round. What stands behind `dword:` is a number in writing, highest digit first; "
        "byte order only matters for bytes in memory or in a `hex:` value.",
        last_two_swapped: "You turned the last two bytes round. What stands behind `dword:` is a number in writing, highest "
        "digit first, and no order of bytes in a file.",
        the_timeout: "That is another value of the same key: the seconds after which an idle connection is closed.",
    }
    hints = [
        'Turn the bytes into text first: `registry.decode("utf-16")`.',
        "The line begins with `\"Port\"`. Behind `dword:` there are eight hexadecimal digits.",
        "`int(digits, 16)` reads a text of hexadecimal digits as a number.",
    ]
    praise = (
        "The digits are those of the installation sheet, so most likely somebody typed the decimal port into regedit while "
        "**Hexadecimal** was chosen. To the service one port is as good as another: it starts without a complaint. "
        "The key says what is set; what listens at this moment, `netstat -ano` says on the machine itself."
    )


@lesson.exercise
class WhoCalls:
    """Which **AE title** does the caller of the association in `trace` give as its own?"""

    answer = DecodedText("calling", case=True)

    def solution(trace):
        return trace[26:42].decode("ascii").strip()

    def the_called_one(trace):
        return trace[10:26].decode("ascii").strip()

    def one_too_far(trace):
        return trace[27:43].decode("latin-1").strip(" \0")

    def letter_for_digit(trace):
        return trace[26:42].decode("ascii").strip().replace("0", "O")

    def the_old_title(trace):
        return "CT_ER"

    def the_software(trace):
        at = trace.find(b"\x55\x00\x00")
        return trace[at + 4 : at + 4 + trace[at + 3]].decode("ascii")

    wrong_ways = {
        the_called_one: "That is the **called** AE title: the one that the caller wants to reach. It comes first, as in dialling "
        "(PS3.8 Table 9-11).",
        one_too_far: "You are one byte too far. PS3.8 numbers the bytes of a PDU from 1, offsets in a dump and in Python from 0.",
        letter_for_digit: "Look at the byte in the dump, not at the character beside it: `4f` is the letter O, `30` the digit zero. AE "
        "titles are compared byte by byte, so the two name different devices.",
        the_old_title: "That is the title that the scanner had before the update. Asked is the one that stands in the bytes of this "
        "request.",
        the_software: "That is the implementation version name from the user information: which software calls, not which AE.",
    }
    hints = [
        "A request holds two AE titles, each 16 bytes long and filled up with blanks.",
        "PS3.8 Table 9-11: bytes 11-26 are the called, bytes 27-42 the calling AE title, counted from 1.",
        'Take the slice of 16 bytes that begins at offset 26 and add `.decode("ascii")`.',
    ]
    praise = "This is the name that the worklist server has to know, byte for byte."


@lesson.exercise
class LargestPdu:
    """Which **maximum length**, in bytes, does the caller in `trace` give for the PDUs that it is willing to receive?"""

    answer = BinaryNumber("largest_pdu", unit="bytes", spelled="octets?")

    def solution(trace):
        at = trace.find(b"\x51\x00\x00\x04")
        return int.from_bytes(trace[at + 4:at + 8], "big")

    def little_endian(trace):
        at = trace.find(b"\x51\x00\x00\x04")
        return int.from_bytes(trace[at + 4 : at + 8], "little")

    def this_pdu(trace):
        return int.from_bytes(trace[2:6], "big")

    def without_the_six(trace):
        return LargestPdu.solution(trace) - 6

    def with_the_six(trace):
        return LargestPdu.solution(trace) + 6

    def item_length(trace):
        return 4

    def digits_as_decimal(trace):
        at = trace.find(b"\x51\x00\x00\x04")
        return int(trace[at + 4 : at + 8].hex())

    wrong_ways = {
        little_endian: "You read the four bytes from right to left. Data sets are usually little endian, but the fields of a PDU "
        "are big endian (PS3.8 section 9.3.1).",
        this_pdu: "That is the length of the request itself, from bytes 3 to 6 of the PDU. What the caller is willing to receive "
        "stands in the user information.",
        without_the_six: "Nothing is to be taken off. The six bytes of type, reserved byte and length do not count towards the maximum "
        "length: asked is the number that stands in the trace.",
        with_the_six: "You added the six bytes of type, reserved byte and length. So long may a whole PDU be; asked is the number that "
        "stands in the trace.",
        item_length: "That is the length of the sub-item's value. The value comes behind it.",
        digits_as_decimal: "You read the hexadecimal digits as if they were decimal. Each place weighs sixteen times the next.",
    }
    hints = [
        "The user information is the last item, type `50`. It holds sub-items; the one of type `51` is the maximum length "
        "(PS3.8 Annex D.1).",
        "A sub-item is: type, one reserved byte, two bytes of length, value. Look for `51 00 00 04` with "
        '`trace.find(b"\\x51\\x00\\x00\\x04")`.',
        "The four bytes behind `51 00 00 04` are the value, big endian.",
    ]
    praise = "Each side gives a number of its own: this one binds the server when it sends, not the scanner."


@lesson.exercise
class WhyRefused:
    """Why was the association in `trace` refused?

    Give the letter as `refusal` and, as `reason_at`, the **offset in `trace`** of the byte that names the reason, counted from
    0 at the start of `trace`: in decimal, or in hexadecimal with `0x` in front.
    """

    answer = Choice(
        "refusal, reason_at",
        options={
            "A": "The called side gives no reason.",
            "B": "The called side does not know the AE title of the caller.",
            "C": "The called side does not go by the AE title that was called.",
            "D": "The called side has too many associations at the moment; the caller may try again.",
            "E": "The called side does not support the application context.",
        },
        evidence=BinaryNumber("reason_at", named=("at offset", "offset", "at")),
    )

    def solution(trace):
        refusal_at = 6 + int.from_bytes(trace[2:6], "big")
        source = trace[refusal_at + 8]
        reason = trace[refusal_at + 9]
        letter = "A"
        if source == 1 and reason == 2:
            letter = "E"
        if source == 1 and reason == 3:
            letter = "B"
        if source == 1 and reason == 7:
            letter = "C"
        if source == 3:
            letter = "D"
        return letter, refusal_at + 9

    def reserved_byte_as_result(trace):
        return "A", 6 + int.from_bytes(trace[2:6], "big") + 8

    def no_reason(trace):
        return "A", None

    def called_for_calling(trace):
        return "C", 6 + int.from_bytes(trace[2:6], "big") + 9

    def application_context(trace):
        return "E", 6 + int.from_bytes(trace[2:6], "big") + 9

    def congestion(trace):
        return "D", 6 + int.from_bytes(trace[2:6], "big") + 7

    def within_the_pdu(trace):
        return "B", 9

    def within_the_pdu_from_one(trace):
        return "B", 10

    def counted_from_one(trace):
        return "B", len(trace)

    def the_source(trace):
        return "B", 6 + int.from_bytes(trace[2:6], "big") + 8

    def the_result(trace):
        return "B", 6 + int.from_bytes(trace[2:6], "big") + 7

    def the_reason_itself(trace):
        return "B", trace[6 + int.from_bytes(trace[2:6], "big") + 9]

    def start_of_the_refusal(trace):
        return "B", 6 + int.from_bytes(trace[2:6], "big")

    def digits_of_the_dump(trace):
        return "B", digits_of_the_row(6 + int.from_bytes(trace[2:6], "big") + 9)

    wrong_ways = {
        reserved_byte_as_result: "You took the reserved byte behind the length for the result, so every field slipped by one. The "
        "length of an A-ASSOCIATE-RJ counts four bytes: reserved, result, source, reason (PS3.8 Table 9-21).",
        no_reason: "A is reason 1, and the reason byte here holds another number. The byte in front of it does hold a 1, but that is "
        "the source (PS3.8 Table 9-21).",
        called_for_calling: "That would be another reason code. **Calling** is who dials, **called** is who is dialled: look up the "
        "reason for source 1 once more (PS3.8 Table 9-21).",
        application_context: "That would be reason 2 of source 1. The reason byte, the last of the refusal, holds another number "
        "(PS3.8 Table 9-21).",
        congestion: "Too many associations is said by another source, the presentation side of the provider, and with a transient "
        "result. Read result and source before the reason: each source has reasons of its own (PS3.8 Table 9-21).",
        within_the_pdu: "The reading is right, and so is the place inside the PDU. But the trace begins with the request: count "
        "from the start of `trace`.",
        within_the_pdu_from_one: "The reading is right. That is the place inside the PDU as the standard counts, from 1. Count from the "
        "start of `trace`, where the request stands, and from 0.",
        counted_from_one: "The reading is right, but you counted from 1. An offset counts from 0.",
        the_source: "The option is right. At the place that you give stands the source; the reason is the byte behind it.",
        the_result: "The option is right. At the place that you give stands the result; behind it come source and reason.",
        the_reason_itself: "The option is right, and that is the reason itself, the number in the byte. Asked is where that byte stands.",
        start_of_the_refusal: "The option is right. At the place that you give the refusal begins, with its type `03`. The reason is its "
        "last byte.",
        digits_of_the_dump: "The option is right. For the place you seem to have taken the hexadecimal digits at the left of the dump "
        "for a decimal number. Write `0x` in front of them before you count on in the row.",
    }
    hints = [
        "The refusal begins right behind the request. The request is 6 bytes of type, reserved and length, plus the length that "
        "its bytes 2 to 5 (from 0) hold.",
        "`hexdump(trace, start)` shows the trace from an offset. An A-ASSOCIATE-RJ begins with `03` and is ten bytes long.",
        "Of the ten bytes, those at 7, 8 and 9 (from 0) are result, source and reason. Add the offset at which the refusal begins.",
    ]
    praise = (
        "According to the change calendar the caller's new title is meant, so most likely the remedy is at the worklist server: its "
        "table of known callers still has the old one."
    )


def _of_the_stream(case, result):
    """A sentence on what is special about the stream of a case, or None."""
    stream = b"".join(case[0])
    if stream.endswith(b"\x1c") and len(result) > stream.count(b"\x1c\r"):
        return ("The stream ends with `1C`, and the `0D` behind it has not come yet. So the last message is not complete: the end of a "
                "message is `1C 0D`, both.")
    if stream.count(b"MSH") > stream.count(b"\x0b"):
        return "In this stream `MSH` stands inside a message too, as the name of a ward. Only the frame bytes tell where a message begins."
    return None


@lesson.exercise
class WhereAMessageEnds:
    """Write the function `deframe(chunks)`. It gets what a receiver got from TCP, a **list of bytes**, and returns the **list of
    the complete HL7 messages** in it: as bytes, in the order in which they came, each with everything that stands between its frame
    bytes and without those.

    A message whose `1c 0d` has not come yet, or only half of it, is not complete and is left out. What came twice is returned twice.
    Only the frame bytes count: who sends, of what kind the messages are, how many and how long, differs from stream to stream, and
    the list may be empty.
    """

    answer = Function("deframe", result=Messages("messages"), remark=_of_the_stream)
    points = 2

    def solution(chunks):
        received = b"".join(chunks)
        messages = []
        for part in received.split(b"\x1c\r")[:-1]:
            messages.append(part[1:])
        return messages

    def chunks_as_they_came(chunks):
        return list(chunks)

    def a_chunk_a_message(chunks):
        return [chunk.strip(b"\x0b\x1c\r") for chunk in chunks]

    def a_chunk_cut(chunks):
        return [part[1:] for chunk in chunks for part in chunk.split(b"\x1c\r")[:-1]]

    def a_chunk_cut_and_all_kept(chunks):
        return [part for chunk in chunks for part in chunk.split(b"\x1c\r")]

    def only_cut(chunks):
        return b"".join(chunks).split(b"\x1c\r")

    def start_kept(chunks):
        return b"".join(chunks).split(b"\x1c\r")[:-1]

    def last_piece_kept(chunks):
        return [part[1:] for part in b"".join(chunks).split(b"\x1c\r")]

    def unfinished_too(chunks):
        return [part[part.find(b"\x0b") + 1 :] for part in b"".join(chunks).split(b"\x1c\r") if part]

    def cut_at_1c(chunks):
        return [part[1:] for part in b"".join(chunks).split(b"\x1c")[:-1]]

    def only_cut_at_1c(chunks):
        return b"".join(chunks).split(b"\x1c")

    def a_segment_a_message(chunks):
        return [part.strip(b"\x0b\x1c") for part in b"".join(chunks).split(b"\r") if part.strip(b"\x0b\x1c")]

    def last_segment_cut(chunks):
        return [part.strip() for part in b"".join(chunks).split(b"\x1c\r")[:-1]]

    def last_byte_cut(chunks):
        return [part[1:-1] for part in b"".join(chunks).split(b"\x1c\r")[:-1]]

    def decoded(chunks):
        return [part[1:].decode() for part in b"".join(chunks).split(b"\x1c\r")[:-1]]

    wrong_ways = {
        chunks_as_they_came: "You return the chunks as they came. TCP is a stream: it may cut a message in two or deliver two at "
        "once. Join the chunks first, then cut where a message ends.",
        a_chunk_a_message: "You took each chunk for a message. TCP is a stream: it may cut a message in two or deliver two at "
        "once. Join the chunks first; only the frame bytes say where a message begins and ends.",
        a_chunk_cut: "You cut each chunk by itself. A message, and even `1C 0D`, may begin in one chunk and end in the next: join all "
        "chunks before you cut.",
        a_chunk_cut_and_all_kept: "You cut each chunk by itself and keep all pieces. Join all chunks before you cut; then take the start "
        "block `0B` off each piece, and leave out the last, which no end block follows.",
        only_cut: "You join and cut well, but two things are left to do: the start block `0B` is still in front of each message, and the "
        "last piece, behind the last end block, is no complete message.",
        start_kept: "The start block `0B` is still in front of your messages. The receiver of `\\x0bMSH` would not find MSH.",
        last_piece_kept: "You also return the last piece, what came behind the last end block. It is empty or a message that is not "
        "complete.",
        unfinished_too: "You also return what has no end block yet. The rest of that message may still be on its way; a receiver "
        "that passes it on loses segments.",
        cut_at_1c: "You cut at `1C` alone, so its carriage return is left over: from the second message on it stands in front of the start "
        "block. The end block and its carriage return belong together.",
        only_cut_at_1c: "Joined and cut, but at `1C` alone, so its carriage return is left over: end block and carriage return belong "
        "together. Then the start block `0B` has to go from each piece, and the last piece altogether: no end block follows it.",
        a_segment_a_message: "You cut at every `0D`. That ends a segment; a message ends with `1C 0D`.",
        last_byte_cut: "You take the last byte off each message. As a rule it is the `0D` that ends the last segment, and whatever it "
        "is, it belongs to the message: everything up to `1C 0D` does.",
        decoded: "Messages are bytes here, so leave out `decode`. A receiver hands on bytes as they came; which character set they are "
        "in, only MSH-18 of each message says.",
        last_segment_cut: "Your messages lack the `0D` that ends their last segment. It belongs to the message. (`.strip()` takes it away "
        "with the rest: take off only what you mean to.)",
    }
    hints = [
        'Join the chunks with `b"".join(chunks)` before you look for anything.',
        'Every complete message ends with `b"\\x1c\\r"`. `.split(b"\\x1c\\r")` cuts there; what comes behind the last cut is not complete.',
        "Leave the last part out with `[:-1]`. In each other part the message begins behind the first byte, `0b`.",
    ]
    praise = "It holds for any cut: TCP may deliver byte by byte or all at once, the messages are the same."

    def cases(draw):
        def hl7(event):
            number = draw.randrange(10000, 99999)
            header = f"MSH|^~\\&|RIS|HVGH|ENGINE|HVGH|20250330||{event}|{number}|P|2.3.1\r"
            if event.startswith("ADT"):
                header += f"EVN|{event[4:]}|20250330\r"
            return (header + f"PID|1||HV{draw.randrange(100000, 200000)}\r").encode()

        def odd(end, charset="", name="M\u00dcLLER^JOS\u00c9", encoding="latin-1"):
            text = f"MSH|^~\\&|RIS|HVGH|ENGINE|HVGH|20250330||ADT^A08|{draw.randrange(10000, 99999)}|P|2.3.1||||||{charset}\r"
            return (text + f"PID|1||HV{draw.randrange(100000, 200000)}||{name}{end}").encode(encoding)

        # What a receiver must hand on as it came: letters beyond ASCII, an empty segment, a line feed, a last segment without its 0D.
        odd_ones = [odd("\r", "8859/1"), odd("\r", "UNICODE UTF-8", encoding="utf-8"),
                    odd("\r\rPV1|1|E\r"), odd("\r\r"), odd("\nWARD 3\r"), odd("")]

        def framed(*events):
            return b"".join(b"\x0b" + hl7(event) + b"\x1c\r" for event in events)

        def cut(whole, pieces):
            places = [0, *sorted(draw.randrange(1, len(whole)) for _ in range(pieces - 1)), len(whole)]
            return [whole[a:b] for a, b in zip(places, places[1:])]

        def other(header, rest):
            return b"\x0bMSH|^~\\&|" + header + f"|{draw.randrange(10000, 99999)}|P|2.3.1\r".encode() + rest + b"\x1c\r"

        # Another sender, no PID, a message of some thousand bytes, a ward called MSH, one message twice; and streams that end in the frame.
        ack = other(b"LAB|HVGH|ENGINE|HVGH|20250330||ACK", b"MSA|AA|4711\r")
        long = other(b"LAB|HVGH|ENGINE|HVGH|20250330||ORU^R01", b"".join(b"OBX|%d|TX|||normal\r" % line for line in range(1, 300)))
        ward = other(b"RIS|HVGH|ENGINE|HVGH|20250330||ADT^A02", b"EVN|A02|20250330\rPID|1||HV100200\rPV1|1|I|MSH|E|||MSH|\r")
        again, half = framed("ORM^O01"), b"\x0b" + hl7("ADT^A08") + b"\x1c"

        two, three, one = framed("ADT^A04", "ORM^O01"), framed("ADT^A08", "ORU^R01", "ORM^O01"), framed("ADT^A40")
        return [
            ([one],),
            ([two],),
            (cut(three, 4),),
            ([two[:-1], two[-1:]],),
            (cut(two + b"\x0b" + hl7("ADT^A31"), 3),),
            ([b"\x0b", hl7("ADT^A28")],),
            (cut(framed("ADT^A01", "ADT^A02", "ADT^A03", "ADT^A08"), 9),),
            *((cut(b"\x0b" + message + b"\x1c\r" + framed("ORM^O01"), 3),) for message in odd_ones),
            (cut(ack + framed("ADT^A04"), 2),),
            (cut(framed("ADT^A04") + long, 5),),
            (cut(b"".join(framed(f"ADT^A{number:02}") for number in range(1, 13)), 7),),
            ([ward],),
            ([again, again],),
            ([half],),
            ([framed("ADT^A04") + half],),
            ([],),
        ]


@lesson.exercise
class SilentMessage:
    """RIS sent three messages, the bytes in `stream`. The engine made no order of the second. What is wrong with the bytes?

    Give the letter as `mllp_fault` and, as `mllp_offset`, the offset in `stream` at which the bytes **first go wrong**: where another
    byte should stand than the one that does. In decimal, or in hexadecimal with `0x` in front.
    """

    answer = Choice(
        "mllp_fault, mllp_offset",
        options={
            "A": "Segments end with a line feed, 0A, where HL7 asks for a carriage return, 0D.",
            "B": "The end block, 1C, is missing.",
            "C": "The start block, 0B, is missing.",
            "D": "The connection was cut in the middle of a message.",
        },
        evidence=BinaryNumber("mllp_offset", named=("at offset", "offset", "at")),
    )

    def solution(stream):
        if stream.count(b"\n") > 0:
            letter = "A"
            place = stream.find(b"\n")
        else:
            letter = "B"
            # the second 0d in a row stands where 1c should
            place = stream.find(b"\r\r\x0b") + 1
        return letter, place

    def the_other(stream):
        line_feed = stream.find(b"\n")
        return ("B", stream.find(b"\x1c")) if line_feed >= 0 else ("A", stream.find(b"\r"))

    def start_block(stream):
        return "C", stream.find(b"\x0b", 1)

    def cut(stream):
        return "D", len(stream) - 1

    def counted_from_one(stream):
        line_feed = stream.find(b"\n")
        no_end_block = stream.find(b"\r\r\x0b") + 1
        return ("A", line_feed + 1) if line_feed >= 0 else ("B", no_end_block + 1)

    def one_too_early(stream):
        line_feed = stream.find(b"\n")
        no_end_block = stream.find(b"\r\r\x0b") + 1
        return ("A", line_feed - 1) if line_feed >= 0 else ("B", no_end_block - 1)

    def start_of_the_message(stream):
        return ("A" if b"\n" in stream else "B"), stream.find(b"\x0b", 1)

    def digits_of_the_dump(stream):
        line_feed = stream.find(b"\n")
        no_end_block = stream.find(b"\r\r\x0b") + 1
        return ("A", digits_of_the_row(line_feed)) if line_feed >= 0 else ("B", digits_of_the_row(no_end_block))

    wrong_ways = {
        the_other: "Compare the second message with the first and the third, byte by byte: how do their segments end, and what "
        "stands between the last segment and the next start block?",
        start_block: "There are three start blocks, `0B`, one before each MSH. Count them with `stream.count(b\"\\x0b\")`.",
        cut: "Then the stream would stop in mid-message. The third message is there to its last byte, `1C 0D` included.",
        counted_from_one: "The fault is that one, but the place is one too far: an offset counts from 0.",
        one_too_early: "The fault is that one, but the place is one too early: the byte there still belongs to the last segment before "
        "the fault, and is right.",
        start_of_the_message: "The fault is that one. At the place that you give the second message begins, and its first byte is right: "
        "read on to the byte that is not.",
        digits_of_the_dump: "The option is right. For the place you seem to have taken the hexadecimal digits at the left of the dump "
        "for a decimal number. Write `0x` in front of them before you count on in the row.",
    }
    hints = [
        "Count the frame bytes: `stream.count(b\"\\x0b\")`, `stream.count(b\"\\x1c\")`, and the line feeds, `stream.count(b\"\\n\")`.",
        "One of these numbers does not fit three sound messages. `stream.find(...)` gives the first place of a byte, from 0.",
        "If your count shows line feeds, the first of them is the place. If an end block is missing, look just before the start block of "
        "the third message: where the end block should stand, another byte does.",
    ]
    praise = "That is what the sender's vendor needs: the offset, the byte that stands there, and the one that should."


@lesson.exercise
class TagAtMark:
    """Which **element** begins at the offset `mark` of `ct_file`?

    Give its tag, such as `"(0008,0060)"`.
    """

    answer = Text("element", reading=tag_as_seen)

    def solution(ct_file, mark):
        group = int.from_bytes(ct_file[mark:mark + 2], "little")
        number = int.from_bytes(ct_file[mark + 2:mark + 4], "little")
        return f"({group:04X},{number:04X})"

    def as_printed(ct_file, mark):
        return ct_file[mark : mark + 4].hex()

    def four_bytes_as_one(ct_file, mark):
        return f"{int.from_bytes(ct_file[mark : mark + 4], 'little'):08x}"

    def digits_reversed(ct_file, mark):
        return ct_file[mark : mark + 4].hex()[::-1]

    def printed_in_decimal(ct_file, mark):
        return int(ct_file[mark : mark + 2].hex()), int(ct_file[mark + 2 : mark + 4].hex())

    def the_next_one(ct_file, mark):
        return TagAtMark.solution(ct_file, NextElement.solution(ct_file, mark))

    def right_but_in_decimal(ct_file, mark):
        return int(ct_file[mark + 1 : mark - 1 : -1].hex()), int(ct_file[mark + 3 : mark + 1 : -1].hex())

    wrong_ways = {
        printed_in_decimal: "Two things. Numbers without quotes are decimal for Python: write the tag in quotes, with four digits for "
        "each part. And in little endian the low byte comes first: turn the two bytes of each part round (PS3.5 section 7.3).",
        the_next_one: "That is the element behind it. The one that is asked begins with the first byte of the dump.",
        right_but_in_decimal: "Numbers without quotes are decimal for Python, and a tag is written in hexadecimal. Write it in quotes, "
        "with four digits for each part.",
        as_printed: "You read the bytes in the order in which they are printed. In little endian each of the two numbers has its "
        "low byte first: turn the bytes of the group round, then those of the element number (PS3.5 section 7.3).",
        four_bytes_as_one: "You turned all four bytes round at once, so group and element number changed places. A tag is two "
        "16-bit numbers, each turned round for itself (PS3.5 section 7.3).",
        digits_reversed: "You turned the digits round. A byte is two digits that stay together: `10` stays `10`; only the order of "
        "the bytes changes.",
    }
    hints = [
        "`hexdump(ct_file, mark, 16)` shows the place. The first two bytes are the group, the next two the element number.",
        "Within each pair the low byte stands first: `08 00` is the number 0008.",
        "Turn the first pair round for the group and the second pair round for the element number. Do not mix the pairs.",
    ]


def _form(data, offset):
    """A sentence on the form of the length that an element has."""
    vr = data[offset + 4 : offset + 6].decode("latin-1")
    form = "two reserved bytes, then four bytes of length" if vr in artefacts.LONG_VRS else "two bytes of length"
    long = vr in artefacts.LONG_VRS
    size = data[offset + 8 : offset + 12] if long else data[offset + 6 : offset + 8]
    value = offset + (12 if long else 8)
    sentences = [f"The VR of that element is `{vr}`, and what follows `{vr}` is {form} (PS3.5 section 7.1.2)."]
    if size[-1] >= 0x80:
        sentences.append("The length is never negative, however large it is (PS3.5 section 7.1.1).")
    if value + int.from_bytes(size, "little") > len(data):
        sentences.append("`data` ends before the value does; where the next element will begin is told by the length all the same.")
    return " ".join(sentences)


@lesson.exercise
class NextElement:
    """Write the function `next_element(data, offset)`. `data` is in Explicit VR Little Endian, an element begins at `offset` and
    its length is defined. The function returns the **offset at which the next element begins**.

    It must know both forms of the length, and every length that they can hold: `data` may also end before the value does, as a file does
    that is still on its way.
    """

    answer = Function("next_element", result=Number(), about=_form)
    points = 2

    def solution(data, offset):
        long_ones = (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
        if data[offset + 4:offset + 6] in long_ones:
            value = offset + 12
            length = int.from_bytes(data[offset + 8:offset + 12], "little")
        else:
            value = offset + 8
            length = int.from_bytes(data[offset + 6:offset + 8], "little")
        return value + length

    def always_short(data, offset):
        return offset + 8 + int.from_bytes(data[offset + 6 : offset + 8], "little")

    def always_long(data, offset):
        return offset + 12 + int.from_bytes(data[offset + 8 : offset + 12], "little")

    def zeros_mean_long(data, offset):
        if data[offset + 6 : offset + 8] == b"\0\0":
            return offset + 12 + int.from_bytes(data[offset + 8 : offset + 12], "little")
        return offset + 8 + int.from_bytes(data[offset + 6 : offset + 8], "little")

    def two_bytes_of_four(data, offset):
        if data[offset + 4 : offset + 6].decode("latin-1") in artefacts.LONG_VRS:
            return offset + 12 + int.from_bytes(data[offset + 8 : offset + 10], "little")
        return offset + 8 + int.from_bytes(data[offset + 6 : offset + 8], "little")

    def three_bytes_of_four(data, offset):
        if data[offset + 4 : offset + 6].decode("latin-1") in artefacts.LONG_VRS:
            return offset + 12 + int.from_bytes(data[offset + 8 : offset + 11], "little")
        return offset + 8 + int.from_bytes(data[offset + 6 : offset + 8], "little")

    def one_byte(data, offset):
        if data[offset + 4 : offset + 6].decode("latin-1") in artefacts.LONG_VRS:
            return offset + 12 + data[offset + 8]
        return offset + 8 + data[offset + 6]

    def signed(data, offset):
        if data[offset + 4 : offset + 6].decode("latin-1") in artefacts.LONG_VRS:
            return offset + 12 + int.from_bytes(data[offset + 8 : offset + 12], "little", signed=True)
        return offset + 8 + int.from_bytes(data[offset + 6 : offset + 8], "little", signed=True)

    def cut_off_at_the_end(data, offset):
        return min(NextElement.solution(data, offset), len(data))

    def rounded_up(data, offset):
        end = NextElement.solution(data, offset)
        return end + end % 2

    def value_two_early(data, offset):
        return NextElement.solution(data, offset) - 2 * (data[offset + 4 : offset + 6].decode("latin-1") in artefacts.LONG_VRS)

    def one_too_far(data, offset):
        return NextElement.solution(data, offset) + 1

    def counted_from_0(data, offset):
        return NextElement.solution(data, offset) - offset

    def of_1993(data, offset):
        if data[offset + 4 : offset + 6] in (b"OB", b"OW", b"SQ", b"UN", b"UT"):
            return offset + 12 + int.from_bytes(data[offset + 8 : offset + 12], "little")
        return offset + 8 + int.from_bytes(data[offset + 6 : offset + 8], "little")

    def of_2011(data, offset):
        if data[offset + 4 : offset + 6] in (b"OB", b"OF", b"OW", b"SQ", b"UN", b"UT"):
            return offset + 12 + int.from_bytes(data[offset + 8 : offset + 12], "little")
        return offset + 8 + int.from_bytes(data[offset + 6 : offset + 8], "little")

    def reserved_forgotten(data, offset):
        if data[offset + 4 : offset + 6] in (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"):
            return offset + 10 + int.from_bytes(data[offset + 6 : offset + 10], "little")
        return offset + 8 + int.from_bytes(data[offset + 6 : offset + 8], "little")

    def header_forgotten(data, offset):
        if data[offset + 4 : offset + 6] in (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"):
            return offset + int.from_bytes(data[offset + 8 : offset + 12], "little")
        return offset + int.from_bytes(data[offset + 6 : offset + 8], "little")

    def big_endian(data, offset):
        if data[offset + 4 : offset + 6] in (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"):
            return offset + 12 + int.from_bytes(data[offset + 8 : offset + 12], "big")
        return offset + 8 + int.from_bytes(data[offset + 6 : offset + 8], "big")

    wrong_ways = {
        always_short: "Your function takes every element for one of the short form. Either it knows no other, or its condition is never "
        'true: the two letters in the file are bytes, and `"OB"` is text, so write `b"OB"`. OB, OW, SQ and ten others have two reserved '
        "bytes and a 32-bit length (PS3.5 Table 7.1-1).",
        always_long: "Your function takes every element for one of the long form. Either it knows no other, or its condition is always "
        'true, as `vr == b"OB" or b"OW"` is: Python reads it as `(vr == b"OB") or (b"OW")`. Write `vr in (...)`.',
        zeros_mean_long: "You take `00 00` behind the VR for the sign of the long form. But it is also the length of an empty short "
        "element, such as an Accession Number that nobody filled in. Only the VR tells the form (PS3.5 section 7.1.2).",
        two_bytes_of_four: "In the long form you read two of the four bytes of the length. That works up to 65535 bytes; pixel data are "
        "soon longer.",
        three_bytes_of_four: "In the long form you read three of the four bytes of the length. That works up to 16 MiB less one byte; a "
        "multi-frame image is soon longer.",
        one_byte: "You read one byte of the length. That works up to 255 bytes only: the short form has two, the long form four.",
        signed: "Lengths are *unsigned* (PS3.5 section 7.1.1). You read them with a sign, so that from 0x8000 on in the short form, and "
        "from 0x80000000 in the long one, they come out negative and the walk goes back.",
        cut_off_at_the_end: "Where `data` ends before the value does, your function stops at the end of `data`. Asked is where the next "
        "element begins once all has come: the length in the header says so, however much of the value is there.",
        rounded_up: "You went on to an even offset. Values are of even length in the file already (PS3.5 section 7.1.1), but nothing says "
        "that an element *begins* at an even offset of `data`: what comes before may be of any length. The sum alone is the place.",
        value_two_early: "In the long form your value begins at offset + 10, where the length still stands. VR, two reserved bytes, four "
        "bytes of length: offset + 12 (PS3.5 Table 7.1-1).",
        one_too_far: "You are one byte too far. The value takes `length` bytes from its first one on, so the next element begins exactly "
        "`length` bytes behind that.",
        counted_from_0: "Your function returns how long the element is. Where the next one begins is that much behind `offset`.",
        of_1993: "Your list of VRs with a 32-bit length is that of an older edition. OD, OF, OL, OV, SV, UC, UR and UV have one "
        "too (PS3.5 Table 7.1-1).",
        of_2011: "Your list of VRs with a 32-bit length is the one in many programs, and that of an older edition. OD, OL, OV, SV, UC, "
        "UR and UV came later and have one too (PS3.5 Table 7.1-1).",
        reserved_forgotten: "For the VRs with a 32-bit length you took the two reserved bytes for its beginning. They come behind "
        "the VR and are skipped (PS3.5 Table 7.1-1).",
        header_forgotten: "You added the length to the start of the element. The length counts the value only: tag, VR and the "
        "length field itself come on top (PS3.5 section 7.1.1).",
        big_endian: "Your lengths are read with the high byte first. In Explicit VR Little Endian the low byte comes first.",
    }
    hints = [
        "Two cases: `if data[offset + 4:offset + 6] in long_ones:` and `else:`. What you cut out of `data` is bytes, so `long_ones` holds "
        'bytes too: `(b"OB", b"OD", ...)`.',
        "Short form: length in the two bytes at offset + 6, value from offset + 8. Long form: length in the four bytes at "
        "offset + 8, value from offset + 12.",
        "In both cases return where the value begins plus its length.",
    ]
    praise = "With it a file can be walked through from element to element, private ones included."

    def cases(draw):
        short = ("AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST", "TM", "UI", "UL",
                 "US")
        sizes = [(vr, 8 * draw.randrange(1, 60)) for vr in (*short, *artefacts.LONG_VRS)]
        sizes += [(vr, 0) for vr in (*draw.sample(short, 5), "SH", "UT", "SQ")]
        sizes += [(vr, 2 * draw.randrange(0x8000, 0x9000)) for vr in ("OB", "OW", "UN")]
        draw.shuffle(sizes)
        cases = []
        for vr, size in sizes:
            before = b"-" * draw.randrange(1, 18)       # few, so that a message which shows the call shows the VR too
            value = bytes(draw.randrange(0x30, 0x5A) for _ in range(8)) * (size // 8 + 1)
            number = draw.randrange(0x10, 0x3000)
            whole = artefacts.element(0x0040, number, vr, value[:size]) + artefacts.element(0x0042, 1, "LO", "X")
            cases.append((before + whole, len(before)))
        # Headers alone: what the length says is answered without the value, which may take gigabytes.
        for vr, length in (("LT", 0x8000 + 2 * draw.randrange(0x3000)), ("ST", 0xFFFE), ("OB", 0x1000000 + 2 * draw.randrange(0x700000)),
                           ("OW", 0x80000000 + 2 * draw.randrange(0x1000000))):
            before = b"-" * draw.randrange(1, 18)
            size = b"\0\0" + length.to_bytes(4, "little") if vr in artefacts.LONG_VRS else length.to_bytes(2, "little")
            cases.append((before + b"\xe0\x7f\x10\0" + vr.encode() + size, len(before)))
        return cases


@lesson.exercise
class SequenceOfUnknownLength:
    """How many bytes does the **Referenced Image Sequence (0008,1140)** take in `ct_file`, from the first byte of its tag to the
    last byte of its Sequence Delimitation Item?
    """

    answer = BinaryNumber("sequence_bytes", unit="bytes", spelled="octets?")

    def solution(ct_file):
        start = ct_file.find(b"\x08\x00\x40\x11SQ")
        # the first one will do, because no other sequence lies inside this one
        delimiter = ct_file.find(b"\xfe\xff\xdd\xe0", start)
        return delimiter + 8 - start

    def length_as_number(ct_file):
        start = ct_file.find(b"\x08\x00\x40\x11SQ")
        return int.from_bytes(ct_file[start + 8 : start + 12], "little")

    def without_delimiter(ct_file):
        start = ct_file.find(b"\x08\x00\x40\x11SQ")
        return ct_file.find(b"\xfe\xff\xdd\xe0", start) - start

    def delimiter_tag_only(ct_file):
        start = ct_file.find(b"\x08\x00\x40\x11SQ")
        return ct_file.find(b"\xfe\xff\xdd\xe0", start) + 4 - start

    def before_the_end_of_the_item(ct_file):
        start = ct_file.find(b"\x08\x00\x40\x11SQ")
        return ct_file.find(b"\xfe\xff\x0d\xe0", start) - start

    def where_it_ends(ct_file):
        return ct_file.find(b"\xfe\xff\xdd\xe0", ct_file.find(b"\x08\x00\x40\x11SQ")) + 8

    def where_the_delimiter_begins(ct_file):
        return ct_file.find(b"\xfe\xff\xdd\xe0", ct_file.find(b"\x08\x00\x40\x11SQ"))

    def value_only(ct_file):
        start = ct_file.find(b"\x08\x00\x40\x11SQ")
        return ct_file.find(b"\xfe\xff\xdd\xe0", start) + 8 - (start + 12)

    wrong_ways = {
        length_as_number: "`FF FF FF FF` is no length of four gigabytes. It says that the length is undefined: read on until the "
        "delimiter (PS3.5 section 7.5.2).",
        without_delimiter: "You stopped in front of the sequence's own delimiter, behind that of the item. An item ends with "
        "(FFFE,E00D), the sequence with (FFFE,E0DD), and both are asked to be counted.",
        delimiter_tag_only: "You counted the tag of the delimiter but not what follows: it has a length field too, four bytes that "
        "are zero (PS3.5 Table 7.5-3).",
        before_the_end_of_the_item: "You stopped in front of the delimiter of the item (FFFE,E00D). It belongs to the sequence, and so "
        "does the sequence's own delimiter behind it.",
        where_it_ends: "That is the offset behind the sequence, counted from the start of the file. Asked is how many bytes the sequence "
        "takes: from its own first byte on.",
        where_the_delimiter_begins: "That is the offset at which the delimiter begins, counted from the start of the file. Asked is how "
        "many bytes the sequence takes: from its own first byte to the delimiter's last.",
        value_only: "That is what stands behind the header of the sequence. Its tag, VR, reserved bytes and length field are asked "
        "to be counted too.",
    }
    hints = [
        'Find the start with `ct_file.find(b"\\x08\\x00\\x40\\x11SQ")`: the tag in little endian, then its VR.',
        "The Sequence Delimitation Item is (FFFE,E0DD): in the file `fe ff dd e0`, then four bytes of zeros.",
        "`ct_file.find(what, start)` looks from `start` on and gives the delimiter's first byte. It takes 8 bytes. (The first delimiter is "
        "the right one because no other sequence lies inside.)",
    ]
    praise = "So far a reader has to go to find the next element, because no length says it."


@lesson.exercise
class FirstPixel:
    """What does the **first pixel** of `ct_file` say, in Hounsfield units?

    Its header says: Bits Allocated 16, Pixel Representation 1 (signed), Rescale Slope 1, Rescale Intercept 0.
    """

    answer = BinaryNumber("first_pixel", unit="HU", spelled="hounsfield( units?)?")

    def solution(ct_file):
        at = ct_file.find(b"\xe0\x7f\x10\x00OW") + 12
        return int.from_bytes(ct_file[at:at + 2], "little", signed=True)

    def unsigned(ct_file):
        at = ct_file.find(b"\xe0\x7f\x10\x00OW") + 12
        return int.from_bytes(ct_file[at : at + 2], "little")

    def big_endian(ct_file):
        at = ct_file.find(b"\xe0\x7f\x10\x00OW") + 12
        return int.from_bytes(ct_file[at : at + 2], "big", signed=True)

    def one_byte(ct_file):
        return ct_file[ct_file.find(b"\xe0\x7f\x10\x00OW") + 12]

    def sign_bit_only(ct_file):
        at = ct_file.find(b"\xe0\x7f\x10\x00OW") + 12
        return -(int.from_bytes(ct_file[at : at + 2], "little") & 0x7FFF)

    def intercept_of_another_scanner(ct_file):
        at = ct_file.find(b"\xe0\x7f\x10\x00OW") + 12
        return int.from_bytes(ct_file[at : at + 2], "little", signed=True) - 1024

    def the_length(ct_file):
        at = ct_file.find(b"\xe0\x7f\x10\x00OW") + 8
        return int.from_bytes(ct_file[at : at + 2], "little", signed=True)

    wrong_ways = {
        unsigned: "You read the two bytes as an unsigned number. Denser than any bone, in a corner that holds air? Pixel "
        "Representation 1 means two's complement (PS3.3 section C.7.6.3): from 8000 on, take 65536 off.",
        big_endian: "You read the high byte first. In this file's transfer syntax the low byte comes first, in pixels too.",
        one_byte: "That is the first byte alone. Bits Allocated 16: a pixel takes two bytes.",
        sign_bit_only: "You took the first bit for a minus sign and the rest for the amount. Negative numbers are stored in two's "
        "complement: the unsigned number minus 65536.",
        intercept_of_another_scanner: "You took 1024 off, the intercept of many scanners. This file has Rescale Intercept 0: its stored "
        "values are Hounsfield units already.",
        the_length: "Those two bytes belong to the length of the pixel data. Behind `OW` come two reserved bytes, then four bytes "
        "of length, and only then the first pixel.",
    }
    hints = [
        "Pixel Data is the last element; its tag (7FE0,0010) appears in the file as `e0 7f 10 00`.",
        "Tag 4 bytes, VR 2, reserved 2, length 4: the first pixel begins 12 bytes behind the start of the element.",
        '`int.from_bytes(two_bytes, "little", signed=True)` reads two bytes as a signed number.',
    ]
    praise = "Air, as it should be in a corner."


def _patient_rows(refused, tag_of, length_of):
    """The rows of group 0010 as a wrong way reads them: `tag_of` gets the tag's bytes, `length_of` those of the length and the text."""
    rows, at = [], refused.find(b"\x10\x00\x10\x00PN")
    while refused[at : at + 2] == b"\x10\x00":
        length = int.from_bytes(refused[at + 6 : at + 8], "little")
        value = refused[at + 8 : at + 8 + length].decode("latin-1").strip()
        tag, vr = tag_of(refused[at : at + 4]), refused[at + 4 : at + 6].decode()
        rows.append({"tag": tag, "vr": vr, "length": length_of(refused[at + 6 : at + 8], value), "value": value})
        at += 8 + length
    return rows


def _cell_in_the_file(tag, column, given, right, input_of):
    """A sentence on a wrong cell of the table of group 0010."""
    written = str(given).casefold()
    if column == "value" and re.fullmatch(r"\d{8}", str(right)) and re.search(r"\d\W+\d|[a-z]{3}", written):
        return ("A date (VR DA) is eight digits in the file, YYYYMMDD (PS3.5 section 6.2). Report it as it stands there, without signs "
                "between.")
    if column == "value" and len(str(right)) == 1 and written[:1] == str(right).casefold():
        return "In the file stands a code (VR CS), one letter. Report the letter; what it means is another thing."
    return {
        "vr": "The VR is the two letters behind the four bytes of the tag.",
        "length": "It is what the two bytes behind the VR say, the low byte first.",
        "value": "Report what stands in the file, byte for byte, even where you know the patient by another name or number: "
                 "the dump is a finding, and who the patient is gets settled elsewhere.",
    }[column]


@lesson.exercise
class PatientElements:
    """Read the elements of **group 0010** in `refused` into a table with the columns `tag`, `vr`, `length` and `value`, a row for
    each element.

    `length` is the length that stands in the file (in decimal, or in hexadecimal with `0x` in front), `value` the text.
    """

    answer = Table(
        "patient_elements", key=["tag"], reading={"tag": dicom.tag, "length": length_as_written}, remark=_cell_in_the_file, case=["value"]
    )
    points = 2

    def solution(refused):
        rows = []
        at = refused.find(b"\x10\x00\x10\x00PN")
        while refused[at:at + 2] == b"\x10\x00":
            number = int.from_bytes(refused[at + 2:at + 4], "little")
            length = int.from_bytes(refused[at + 6:at + 8], "little")
            rows.append({
                "tag": f"(0010,{number:04X})",
                "vr": refused[at + 4:at + 6].decode(),
                "length": length,
                "value": refused[at + 8:at + 8 + length].decode("latin-1").strip(),
            })
            at = at + 8 + length
        return rows

    def tags_as_printed(refused):
        return _patient_rows(refused, lambda b: f"({b[:2].hex()},{b[2:].hex()})", lambda b, value: int.from_bytes(b, "little"))

    def group_and_element_swapped(refused):
        return _patient_rows(refused, lambda b: f"({b[3]:02x}{b[2]:02x},{b[1]:02x}{b[0]:02x})", lambda b, _: int.from_bytes(b, "little"))

    def length_of_the_text(refused):
        return _patient_rows(refused, lambda b: f"({b[1]:02x}{b[0]:02x},{b[3]:02x}{b[2]:02x})", lambda b, value: len(value))

    def length_big_endian(refused):
        return _patient_rows(refused, lambda b: f"({b[1]:02x}{b[0]:02x},{b[3]:02x}{b[2]:02x})", lambda b, value: int.from_bytes(b, "big"))

    def zero_for_letter(refused):
        rows = _patient_rows(refused, lambda b: f"({b[1]:02x}{b[0]:02x},{b[3]:02x}{b[2]:02x})", lambda b, _: int.from_bytes(b, "little"))
        return [{**row, "value": row["value"].replace("O", "0") if row["vr"] == "LO" else row["value"]} for row in rows]

    wrong_ways = {
        tags_as_printed: "Your tags have the bytes in the order of the dump. In little endian the low byte of each number comes "
        "first (PS3.5 section 7.3).",
        group_and_element_swapped: "In your tags the element number comes before the group. Turn the bytes round within each pair, "
        "not all four at once.",
        length_of_the_text: "Your lengths are those of the text without padding. A value takes an even number of bytes; the length "
        "field counts the blank that fills it up (PS3.5 section 7.1.1).",
        zero_for_letter: "In the Patient ID you give a digit zero where the file has another byte. Look at the hexadecimal digits, not at "
        "the character: `30` is a zero, `4f` the letter O. Report what stands there, not what ought to.",
        length_big_endian: "Your lengths are read with the high byte first. In this data set the low byte comes first, whatever "
        "the order in a PDU.",
    }
    hints = [
        'The first of them is Patient\'s Name: `at = refused.find(b"\\x10\\x00\\x10\\x00PN")`. Look at it with `hexdump(refused, at, 80)`.',
        "Each element here has the short form: tag 4 bytes, VR 2, length 2, value. The next begins behind the value.",
        'Four rows. You may type them: `patient_elements = [{"tag": "(0010,0010)", "vr": "PN", "length": ..., "value": ...}, ...]`.',
    ]
    praise = (
        "The bytes give a name that neither the ticket nor the HL7 stream has. And the fifth character of the Patient ID is `4f`, the "
        "letter O, where HVGH's numbers have a zero, `30`: on a screen the two look alike, a dump settles it."
    )


@lesson.exercise
class WhatStopsTheViewer:
    """Why can the viewer not read `refused`?

    Give the letter as `fault` and, as `fault_offset`, the offset at which the **element** begins in which the fault lies (for A: at which
    that part of the file begins), in decimal, or in hexadecimal with `0x` in front.
    """

    answer = Choice(
        "fault, fault_offset",
        options={
            "A": "The preamble or the prefix is missing or damaged.",
            "B": "The file meta information names another transfer syntax than the one in which the data set is written.",
            "C": "The data set is big endian.",
            "D": "A UID is padded with a blank, 20, instead of a NULL, 00.",
            "E": "The pixel data are shorter than their length says.",
        },
        evidence=BinaryNumber("fault_offset", named=("at offset", "offset", "at")),
    )

    def solution(refused):
        return "B", refused.find(b"\x02\x00\x10\x00UI")

    def preamble(refused):
        return "A", 0

    def big_endian(refused):
        return "C", 144 + int.from_bytes(refused[140:144], "little")

    def padding(refused):
        starts = [refused.find(tag) for tag in (b"\x20\x00\x0d\x00UI", b"\x20\x00\x0e\x00UI", b"\x20\x00\x52\x00UI")]
        return "D", next(at for at in starts if refused[at + 7 + refused[at + 6]] == 0x20)

    def cut_short(refused):
        return "E", refused.find(b"\xe0\x7f\x10\x00OW")

    def where_it_shows(refused):
        return "B", 144 + int.from_bytes(refused[140:144], "little")

    def the_value(refused):
        return "B", refused.find(b"\x02\x00\x10\x00UI") + 8

    def counted_from_one(refused):
        return "B", refused.find(b"\x02\x00\x10\x00UI") + 1

    def digits_of_the_dump(refused):
        return "B", digits_of_the_row(refused.find(b"\x02\x00\x10\x00UI"))

    def the_whole_group(refused):
        return "B", 132

    wrong_ways = {
        preamble: "128 zeros and `DICM`: that part is as it must be. A preamble of zeros is the usual one (PS3.10 section 7.1).",
        big_endian: "The first tag of the data set reads `08 00 05 00`. In big endian it would be `00 08 00 05`.",
        padding: "There is such a UID in the file, and it is a real breach: a UID is padded with NULL (PS3.5 section 6.2). But its "
        "length is even, so a reader keeps its place. The viewer stopped long before, at the first element of the data set.",
        cut_short: "Compare the length of the pixel data with the bytes that follow: `len(refused)` fits. And the viewer stopped "
        "long before, at the first element of the data set.",
        where_it_shows: "That is where the reader stumbles. The bytes there are sound; what does not fit is what it was told about "
        "them. Give the offset of the element that says so.",
        the_value: "You give the place of the value. Asked is the first byte of the element, its tag.",
        counted_from_one: "The option is right, but the place is one too far: an offset counts from 0.",
        the_whole_group: "There the file meta information begins, with an element that is right. Which of its elements is not?",
        digits_of_the_dump: "The option is right. For the place you seem to have taken the hexadecimal digits at the left of the dump "
        "for a decimal number. Write `0x` in front of them before you count on in the row.",
    }
    hints = [
        "The complaint of `dcmdump` names the first element of the data set and a length of 676675. That is 0x000A5343. Which four "
        "bytes of the dump are that, read in little endian?",
        "Two of those four bytes are the letters of a VR. So the reader does not expect a VR there. What told it so?",
        "The group 0002 says how the data set is written. Look for the UID that begins with 1.2.840.10008.1.2 and give the offset "
        "at which its element begins.",
    ]
    praise = "Few bytes, and a whole file that cannot be read: what follows is sound, only its description is wrong."


def _of_other_builds(draw, first, second, third, fourth, fifth):
    """Files with the fault of `refused`, made of five such: each has something that a repair must read as it is or leave alone."""
    element = artefacts.element

    def with_meta(file, more):
        """The file with elements more at the end of group 2."""
        length = int.from_bytes(file[140:144], "little")
        return file[:140] + (length + len(more)).to_bytes(4, "little") + file[144 : 144 + length] + more + file[144 + length :]

    # The UID of implicit VR in the data set too, in a private element: which transfer syntax the vendor's console was sent.
    place = first.index(b"\x10\x00\x10\x00PN")
    noted = first[:place] + element(0x0009, 0x1003, "UI", artefacts.IMPLICIT) + first[place:-2] + b"\x20\x0a"     # ends as text might
    # A preamble that makes the file a TIFF file as well (PS3.10 section 7.1), and pixels that are the four bytes of the group length.
    tiff = b"II*\0" + bytes(draw.randrange(1, 256) for _ in range(124)) + second[128:]
    tiff = tiff[:-12] + second[140:144] + tiff[-8:]
    # No (0008,0005), and a last pixel of 0.
    charset = third.index(b"\x08\x00\x05\x00CS")
    plain_text = third[:charset] + third[charset + 18 : -2] + bytes(2)
    # 64 x 64 pixels, and trailing padding behind them (PS3.10 section 7.2).
    large = fourth[: fourth.index(b"\xe0\x7f\x10\x00OW")]
    for row_or_column in (b"\x28\x00\x10\x00US\x02\x00", b"\x28\x00\x11\x00US\x02\x00"):
        large = large.replace(row_or_column + b"\x08\x00", row_or_column + b"\x40\x00")
    large += element(0x7FE0, 0x0010, "OW", fourth[-128:] * 64) + element(0xFFFC, 0xFFFC, "OB", bytes(32))
    # Private information in group 2, which brings the group length to 254: two more do not fit into one byte.
    creator = element(0x0002, 0x0100, "UI", "2.999.9.41")
    room = 254 - int.from_bytes(fifth[140:144], "little") - len(creator) - 12
    private = with_meta(fifth, creator + element(0x0002, 0x0102, "OB", bytes(draw.randrange(1, 256) for _ in range(room))))
    return noted, tiff, plain_text, large, private


@lesson.exercise
class Repair:
    """Write the function `repair(data)`: it takes the bytes of a file with the fault of `refused` and returns the bytes of a
    **repaired copy**.

    Change what makes the file readable and what depends on it, and nothing else, not even a breach that does not keep it from being
    read. It is tried on other files with the same fault. They may differ in all else: in the preamble, in the elements of group 2 and
    of the data set, in their values and lengths, in the pixels and in what follows those.
    """

    answer = FunctionOnFiles("repair", result=RepairedCopy("repaired"))
    points = 3

    def solution(data):
        wrong = b"\x02\x00\x10\x00UI\x12\x00" + b"1.2.840.10008.1.2\x00"
        right = b"\x02\x00\x10\x00UI\x14\x00" + b"1.2.840.10008.1.2.1\x00"
        group_length = int.from_bytes(data[140:144], "little") + 2
        return data[:140] + group_length.to_bytes(4, "little") + data[144:].replace(wrong, right)

    def unchanged(data):
        return data

    def group_length_big_endian(data):
        repaired = Repair.solution(data)
        return repaired[:140] + repaired[143:139:-1] + repaired[144:]

    def one_more(data):
        repaired = Repair.solution(data)
        return repaired[:140] + (int.from_bytes(data[140:144], "little") + 1).to_bytes(4, "little") + repaired[144:]

    def group_length_to_the_end(data):
        repaired = Repair.solution(data)
        return repaired[:140] + (len(repaired) - 144).to_bytes(4, "little") + repaired[144:]

    def group_length_kept(data):
        return data.replace(
            b"\x02\x00\x10\x00UI\x12\x00" + b"1.2.840.10008.1.2\x00", b"\x02\x00\x10\x00UI\x14\x00" + b"1.2.840.10008.1.2.1\x00"
        )

    def only_the_text(data):
        return data.replace(b"1.2.840.10008.1.2\x00", b"1.2.840.10008.1.2.1\x00")

    def only_the_text_and_group_length(data):
        length = (int.from_bytes(data[140:144], "little") + 2).to_bytes(4, "little")
        return data[:140] + length + data[144:].replace(b"1.2.840.10008.1.2\x00", b"1.2.840.10008.1.2.1\x00")

    def padded_with_a_blank(data):
        length = (int.from_bytes(data[140:144], "little") + 2).to_bytes(4, "little")
        return data[:140] + length + data[144:].replace(
            b"\x02\x00\x10\x00UI\x12\x00" + b"1.2.840.10008.1.2\x00", b"\x02\x00\x10\x00UI\x14\x00" + b"1.2.840.10008.1.2.1 "
        )

    def odd_length(data):
        length = (int.from_bytes(data[140:144], "little") + 1).to_bytes(4, "little")
        return data[:140] + length + data[144:].replace(
            b"\x02\x00\x10\x00UI\x12\x00" + b"1.2.840.10008.1.2\x00", b"\x02\x00\x10\x00UI\x13\x00" + b"1.2.840.10008.1.2.1"
        )

    def uid_padding_too(data):
        repaired = Repair.solution(data)
        for tag in (b"\x20\x00\x0d\x00UI", b"\x20\x00\x0e\x00UI", b"\x20\x00\x52\x00UI"):
            last = repaired.find(tag) + 7 + repaired[repaired.find(tag) + 6]
            if repaired[last] == 0x20:
                repaired = repaired[:last] + b"\0" + repaired[last + 1 :]
        return repaired

    wrong_ways = {
        uid_padding_too: "The copy is readable, but changes more than was asked: the blank behind a UID has become a NULL. So it goes "
        "too when pydicom writes a file anew. Here that breach stays: it does not keep the file from being read, and the vendor must see "
        "it as the device wrote it.",
        unchanged: "Your function returns the bytes as it got them: nothing is repaired. `data.replace(...)` leaves `data` as it is; "
        "what it returns is the changed copy.",
        group_length_big_endian: "The group length is the right number, but with the high byte first. In group 2 the low byte comes first: "
        "it is always written in Explicit VR Little Endian (PS3.10 section 7.1).",
        one_more: "You make the group length larger by one, as the toy did: there THUMB is one byte longer than HAND. By how many bytes "
        "does the value of (0002,0010) grow, its padding included?",
        group_length_to_the_end: "Your group length counts to the end of the file. It counts the bytes of group 2 alone, those behind "
        "its own value and before the data set (PS3.10 section 7.1).",
        group_length_kept: "The transfer syntax is right now, but group 2 has become two bytes longer and (0002,0000) still gives "
        "the old length. A reader that trusts it begins the data set too early (PS3.10 section 7.1).",
        only_the_text: "The new UID is longer than the old one, but the element's length and the group length still count the old "
        "one: a reader would cut the UID and stumble over the rest.",
        only_the_text_and_group_length: "The group length is right now, but the length of (0002,0010) itself still counts the old, "
        "shorter UID.",
        padded_with_a_blank: "A UID of odd length is filled up with a NULL byte, `00`, not with a blank (PS3.5 section 6.2).",
        odd_length: "Your new value has an odd length. Every value takes an even number of bytes; a UID is filled up with one NULL "
        "byte (PS3.5 sections 6.2 and 7.1.1).",
    }
    hints = [
        "Three things change: the text of (0002,0010), the length of that element, and the group length (0002,0000), whose value "
        "is the four bytes from offset 140.",
        "`1.2.840.10008.1.2` has 17 characters and one NULL, `1.2.840.10008.1.2.1` has 19 and one NULL. So by how much does each of "
        "the two lengths grow?",
        '`data[:140] + new_length.to_bytes(4, "little") + data[144:].replace(old, new)`, where `old` and `new` are the whole element '
        "(0002,0010): tag, VR, length and padded value.",
    ]
    praise = (
        "The SOP Instance UID stays: it is the same image. Keep the original, note what was changed, and tell the vendor, of the blank "
        "behind a UID too: a reader strips it, but a database that compares UIDs byte by byte takes this one for another than that of "
        "slice 11, and may file the slice apart."
    )

    def cases(draw, refused):
        files = [artefacts.damaged_file(draw.randrange(1000, 9000)) for _ in range(60)]
        # One for each group length, with the study UID padded wrongly and with the series UID; and the learner's own file.
        kinds = {(file[140], b" \x20\x00\x0e\x00UI" in file): file for file in files}
        return [(refused,), *((file,) for file in kinds.values()), *((file,) for file in _of_other_builds(draw, *files[:5]))]
