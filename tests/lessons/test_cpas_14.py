"""What learners give in lesson cpas-14 beyond the solutions and wrong ways, and the lesson's answers beside other tools'."""

import io
import random
import re
import struct
import warnings

import pydicom
import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import bytes as artefacts
from coursekit.hospital import hospital
from coursekit.lessons.cpas_14_hex_and_binary import lesson

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"))


@pytest.mark.parametrize(("name", "given"), [
    ("ArchivePort", ("0x2B68",)), ("ArchivePort", ("11112",)), ("ArchivePort", ([11112],)), ("ArchivePort", ("11,112",)),
    ("ArchivePort", ("11.112",)), ("ArchivePort", ("port 11112",)), ("ArchivePort", ("Port: 0x2b68",)), ("GatewayPort", ("port 10082",)),
    ("Switches", (["0 log", "2 compress", "5 audit", "6 commit"],)), ("Switches", ("0 log, 2 compress, 5: audit, bit 6",)),
    ("Switches", (["0", "2", "5", "6"],)),
    ("TagAtMark", (b"\x00\x10\x00\x20",)), ("TagAtMark", ("00 10 00 20",)),
    ("Switches", ("log, compress, audit, commit",)), ("Switches", ({"AUDIT", "commit", "Log", "compress"},)),
    ("Switches", ([0, 2, 5, 6],)),
    ("GatewayPort", ("0x2762",)),
    ("WhoCalls", (b"CTER01          ",)), ("WhoCalls", ("'CTER01'",)),
    ("LargestPdu", ("16384 octets",)), ("ArchivePort", ("11112/tcp",)), ("ArchivePort", ("TCP port 11112",)),
    ("GatewayPort", ("00002762 hex",)),
    ("WhyRefused", ("B", "offset 275")), ("SilentMessage", ("B", "at 322")), ("SilentMessage", ("B", "at offset 0x142")),
    ("FirstPixel", ("-1000 Hounsfield units",)), ("FirstPixel", ("-1000 Hounsfield",)), ("SequenceOfUnknownLength", ("106 octets",)),
    ("LargestPdu", ("16 KiB",)), ("LargestPdu", ("0x4000",)), ("LargestPdu", (16384.0,)),
    ("WhyRefused", ("b)", "0x113")), ("WhyRefused", ("The called side does not know the AE title of the caller.", 275)),
    ("SilentMessage", ("b", 0x142)),
    ("TagAtMark", ("0010,0020",)), ("TagAtMark", ("PatientID",)), ("TagAtMark", (0x00100020,)), ("TagAtMark", ((0x10, 0x20),)),
    ("FirstPixel", ("-1000 HU",)), ("FirstPixel", ("\u22121000",)),
    ("WhatStopsTheViewer", ("B", 0xE4)), ("WhatStopsTheViewer", ("B", "0xe4")), ("WhatStopsTheViewer", ("B", "e4h")),
    ("GatewayPort", ("2762h",)), ("ArchivePort", ("2B68H",)), ("WhyRefused", ("B", "113h")), ("SilentMessage", ("B: end block missing", 0x142)),
    ("SilentMessage", ("B) missing end block", 0x142)),
])
def test_right_answers_in_other_forms_are_right(editions, name, given):
    verdict = EXERCISES[name].judge(given, editions)
    assert verdict.outcome is Outcome.CORRECT, verdict


@pytest.mark.parametrize(("name", "given", "label"), [
    ("ArchivePort", ("2b68",), "unreadable"),
    ("ArchivePort", (104,), "second_byte"),
    ("GatewayPort", ("00002762",), "as_decimal"),
    ("WhoCalls", ("cter01",), "case"),
    ("WhyRefused", ("B", 113), "digits_of_the_dump"),
    ("WhyRefused", ("A", ...), None),
    ("WhyRefused", ("D", 1), "congestion"),
    ("WhyRefused", ("A", 275), "no_reason"),
    ("WhyRefused", ("A", 274), "reserved_byte_as_result"),
    ("WhyRefused", ("B", 274), "the_source"),
    ("WhyRefused", ("B", "0x10a"), "start_of_the_refusal"), ("WhyRefused", ("B", 10), "within_the_pdu_from_one"),
    ("LargestPdu", (16378,), "without_the_six"), ("LargestPdu", (16390,), "with_the_six"), ("TagAtMark", ("(0010,0030)",), "the_next_one"),
    ("SequenceOfUnknownLength", (90,), "before_the_end_of_the_item"), ("FirstPixel", (24,), "one_byte"),
    ("WhoCalls", ("CTERO1",), "letter_for_digit"),
    ("SilentMessage", ("B", 321), "one_too_early"),
    ("SilentMessage", ("B", 142), "digits_of_the_dump"),
    ("TagAtMark", ((1000, 2000),), "printed_in_decimal"),
    ("TagAtMark", ((10, 20),), "right_but_in_decimal"),
    ("TagAtMark", ((0x1000, 0x2000),), "as_printed"),
    ("WhatStopsTheViewer", ("B", 0x84), "the_whole_group"),
    ("WhatStopsTheViewer", ("D", 1), "padding"),
    ("WhatStopsTheViewer", ("E", 1), "cut_short"),
    ("TagAtMark", ("10002000",), "as_printed"),
    ("Switches", ("log compress",), "missing"),
    ("Switches", (["1 log"],), "unreadable"), ("Switches", (["9 log"],), "unreadable"), ("Switches", (["bit"],), "unreadable"),
    ("GatewayPort", ("dword:00002762",), "unreadable"),
    ("WhyRefused", ("B", 273), "the_result"), ("WhyRefused", ("B", 3), "the_reason_itself"),
    ("TagAtMark", (b"\x10\x00\x20\x00",), "as_printed"), ("TagAtMark", ("10 00 20 00",), "as_printed"),
    ("SequenceOfUnknownLength", (634,), "where_it_ends"), ("SequenceOfUnknownLength", (626,), "where_the_delimiter_begins"),
    ("SequenceOfUnknownLength", ("6a",), "unreadable"), ("FirstPixel", (-2024,), "intercept_of_another_scanner"),
    ("WhatStopsTheViewer", ("B", 229), "counted_from_one"), ("SilentMessage", ("B: start block missing", 0x142), "unreadable"),
])
def test_wrong_answers_are_told_apart(editions, name, given, label):
    verdict = EXERCISES[name].judge(given, editions)
    assert verdict.outcome is (Outcome.NOT_YET if label else Outcome.NOT_ANSWERED)
    assert label is None or verdict.label == label, verdict


@pytest.mark.parametrize(("name", "given", "says"), [
    *(("GatewayPort", (given,), "two spellings") for given in ("10082 (0x2762)", "0x2762 = 10082", "10082 / 0x2762")),
    ("ArchivePort", ("11112 (0x2b68)",), "two spellings"), ("ArchivePort", ("0x2b68 = 11112",), "two spellings"),
    ("ArchivePort", ("0x 2b68",), "`0x` directly in front"), ("WhatStopsTheViewer", ("B", "000000e4"), "write `0x` in front"),
    ("WhyRefused", ("B", "0x110+3"), "a calculation in quotes"), ("SequenceOfUnknownLength", ("0x27a-0x210",), "a calculation in quotes"),
    ("SequenceOfUnknownLength", ((528, 634),), "several numbers"),
    ("WhoCalls", ("b'CTER01          '",), "how Python writes bytes"), ("WhoCalls", ("43 54 45 52 30 31",), "in hexadecimal"),
    ("ArchivePort", (b"\x2b\x68",), "int.from_bytes"),
    ("LargestPdu", (b"\0\0\x40\0",), "int.from_bytes"),
])
def test_a_number_that_is_none_yet_is_told_what_to_write(editions, name, given, says):
    verdict = EXERCISES[name].judge(given, editions)
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def test_a_table_may_be_typed_or_a_frame(editions):
    import pandas
    rows = [("(0010,0010)", "PN", 14, "VANDERMEER^ANA"), ("(0010,0020)", "LO", 8, "HV10O234"),
            ("(0010,0030)", "DA", 8, "19610817"), ("(0010,0040)", "CS", 2, "F ")]
    bare = [(tag.strip("()"), *rest) for tag, *rest in rows]
    hexadecimal = [(tag, vr, hex(length), value) for tag, vr, length, value in rows]
    with_unit = [(tag, vr, f"{length} bytes", value) for tag, vr, length, value in rows]
    for given in (rows, bare, hexadecimal, with_unit, pandas.DataFrame(rows, columns=["Tag", "VR", "Length", "Value"]).sample(frac=1, random_state=1)):
        assert EXERCISES["PatientElements"].judge((given,), editions).correct
    zero = [(*row[:3], row[3].replace("10O", "100")) for row in rows]
    assert EXERCISES["PatientElements"].judge((zero,), editions).label == "zero_for_letter"


@pytest.mark.parametrize(("change", "label", "says"), [
    (lambda tag, vr, length, value: (tag, vr, length, value.lower()), "case", "upper and lower case matter"),
    (lambda tag, vr, length, value: (tag, vr, length, value.title() if vr == "PN" else value), "case", "`value` are right"),
    (lambda tag, vr, length, value: (tag, vr, "0e" if length == 14 else length, value), "unreadable", "write `0x` in front"),
    (lambda tag, vr, length, value: (tag, vr, "0e 00" if length == 14 else length, value), "unreadable", "write `0x` in front"),
    (lambda tag, vr, length, value: (tag, vr, length, "UNKNOWN^FEMALE-77" if vr == "PN" else value), "value", "the dump is a finding"),
    (lambda tag, vr, length, value: (tag, vr, length + (vr == "PN"), value), "value", "two bytes behind the VR"),
    (lambda tag, vr, length, value: (tag, "LO", length, value), "value", "the two letters behind"),
    (lambda tag, vr, length, value: (tag, vr, length, "1961-08-17" if vr == "DA" else value), "value", "eight digits"),
    (lambda tag, vr, length, value: (tag, vr, length, "Female" if vr == "CS" else value), "value", "one letter"),
    (lambda tag, vr, length, value: (tag, vr, "many" if length == 14 else length, value), "unreadable", "a length is a whole number"),
    (lambda tag, vr, length, value: (tag, vr, length.to_bytes(2, "little"), value), "unreadable", "int.from_bytes"),
])
def test_the_table_reports_the_bytes_as_they_are(editions, change, label, says):
    rows = [("(0010,0010)", "PN", 14, "VANDERMEER^ANA"), ("(0010,0020)", "LO", 8, "HV10O234"),
            ("(0010,0030)", "DA", 8, "19610817"), ("(0010,0040)", "CS", 2, "F ")]
    verdict = EXERCISES["PatientElements"].judge(([change(*row) for row in rows],), editions)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label and says in verdict.message, verdict


def test_other_ways_to_write_the_functions_are_right(editions):
    def deframe(chunks):
        return tuple(bytearray(found) for found in re.findall(rb"\x0b(.*?)\x1c\r", b"".join(chunks), re.DOTALL))

    def next_element(data, offset):
        if data[offset + 4 : offset + 6].decode() in artefacts.LONG_VRS:
            return offset + 12 + struct.unpack("<I", data[offset + 8 : offset + 12])[0]
        return offset + 8 + struct.unpack("<H", data[offset + 6 : offset + 8])[0]

    def repair(data):
        copy = bytearray(data)
        at = copy.find(b"\x02\x00\x10\x00UI")
        copy[at : at + 26] = b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\x00"
        copy[140:144] = (int.from_bytes(copy[140:144], "little") + 2).to_bytes(4, "little")
        return copy

    for function in (deframe, next_element, repair):
        name = {"deframe": "WhereAMessageEnds", "next_element": "NextElement", "repair": "Repair"}[function.__name__]
        verdict = EXERCISES[name].judge((function,), editions)
        assert verdict.correct, verdict


@pytest.mark.parametrize(("change", "says"), [
    (lambda messages: [message.decode() for message in messages], "leave out `decode`"),
    (lambda messages: [message.decode("latin-1") for message in messages], "holds text: messages are bytes"),
    (lambda messages: [message.decode("ascii", "ignore").encode() for message in messages], "from there on it was changed"),
    (lambda messages: [message.decode("latin-1").encode() for message in messages], "from there on it was changed"),
    (lambda messages: [message.replace(b"\r\r", b"\r") for message in messages], "from there on it was changed"),
    (lambda messages: [message.replace(b"\n", b"\r") for message in messages], "from there on it was changed"),
    (lambda messages: [message.rstrip(b"\r") + b"\r" for message in messages], "something is missing at its beginning or end"),
    (lambda messages: [message if message.endswith(b"\r") else message + b"\r" for message in messages], "or such as nobody sent"),
    (set, "forgets the order"),
    (lambda messages: messages[::-1], "not in the order"),
    (lambda messages: [message.strip() for message in messages], "lack the `0D`"),
    (lambda messages: [message[:-1] for message in messages], "take the last byte off"),
    (lambda messages: [message[:-2] for message in messages], "something is missing at its beginning or end"),
    (lambda messages: [b"\x0b" + message + b"\x1c" for message in messages], "holds more than it should"),
    (lambda messages: messages + messages, "too many"),
    (b"".join, "bytes"),
])
def test_messages_are_compared_exactly_and_in_order(editions, change, says):
    deframe = EXERCISES["WhereAMessageEnds"].solution
    verdict = EXERCISES["WhereAMessageEnds"].judge((lambda chunks: change(deframe(chunks)),), editions)
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def _loop(chunks):
    messages, start, received = [], 0, b"".join(chunks)
    for at, byte in enumerate(received):
        if byte == 0x0B:
            start = at + 1
        if byte == 0x1C:
            messages.append(received[start:at])
    return messages


def _right(chunks):
    return [part[1:] for part in b"".join(chunks).split(b"\x1c\r")[:-1]]


@pytest.mark.parametrize(("deframe", "says"), [
    (_loop, "`0D` behind it has not come yet"),
    (lambda chunks: [part.split(b"\x1c")[0] for part in b"".join(chunks).split(b"\x0b")[1:] if b"\x1c" in part], "has not come yet"),
    (lambda chunks: list(dict.fromkeys(_right(chunks))), "came twice is in your list once"),
    (lambda chunks: [b"MSH|" + part.split(b"\x1c\r")[0] for part in b"".join(chunks).split(b"MSH|")[1:] if b"\x1c\r" in part],
     "`MSH` stands inside a message too"),
    (lambda chunks: [b"MSH" + part.split(b"\x1c\r")[0] for part in b"".join(chunks).split(b"MSH")[1:] if b"\x1c\r" in part],
     "`MSH` stands inside a message too"),
    (lambda chunks: _right(chunks)[:4], "too few"), (lambda chunks: _right(chunks)[:10], "too few"),
    (lambda chunks: [one for one in _right(chunks) if len(one) < 200], "too few"),
    (lambda chunks: [one for one in _right(chunks) if b"PID" in one], "too few"),
    (lambda chunks: [one for one in _right(chunks) if one.startswith(b"MSH|^~\\&|RIS")], "too few"),
    (lambda chunks: _right(chunks) if chunks else None, "None"),
    (lambda chunks: [part[1:] for part in (chunks[0] + b"".join(chunks[1:])).split(b"\x1c\r")[:-1]], "IndexError"),
])
def test_only_the_frame_tells_what_is_a_message(editions, deframe, says):
    verdict = EXERCISES["WhereAMessageEnds"].judge((deframe,), editions)
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def test_a_value_that_has_not_come_counts_all_the_same(editions):
    right = EXERCISES["NextElement"].solution

    def what_is_there(data, offset):
        value = offset + (12 if data[offset + 4 : offset + 6].decode() in artefacts.LONG_VRS else 8)
        return value + len(data[value : right(data, offset)])

    for function in (what_is_there, lambda data, offset: min(right(data, offset), len(data))):
        assert EXERCISES["NextElement"].judge((function,), editions).label == "cut_off_at_the_end"
    half = (lambda data, offset: right(data, offset) if right(data, offset) <= len(data) else None)
    verdict = EXERCISES["NextElement"].judge((half,), editions)
    assert verdict.outcome is Outcome.NOT_YET and "`data` ends before the value does" in verdict.message, verdict


def test_the_form_of_the_length_is_told_by_the_vr_alone(editions):
    """Each of these is right for most files, and wrong for an empty element, for large pixel data or for a VR of today."""
    def never_true(data, offset):
        if data[offset + 4 : offset + 6] in ("OB", "OW"):
            return offset + 12 + int.from_bytes(data[offset + 8 : offset + 12], "little")
        return offset + 8 + int.from_bytes(data[offset + 6 : offset + 8], "little")

    def always_true(data, offset):
        vr = data[offset + 4 : offset + 6]
        if vr == b"OB" or b"OW":
            return offset + 12 + int.from_bytes(data[offset + 8 : offset + 12], "little")
        return offset + 8 + int.from_bytes(data[offset + 6 : offset + 8], "little")

    def rounded_up(data, offset):
        end = EXERCISES["NextElement"].solution(data, offset)
        return end + end % 2

    def four_of_them(data, offset):
        if data[offset + 4 : offset + 6] in (b"OB", b"OW", b"SQ", b"UN"):
            return offset + 12 + int.from_bytes(data[offset + 8 : offset + 12], "little")
        return offset + 8 + int.from_bytes(data[offset + 6 : offset + 8], "little")

    assert EXERCISES["NextElement"].judge((rounded_up,), editions).label == "rounded_up"
    few = EXERCISES["NextElement"].judge((four_of_them,), editions)
    assert re.search(r"The VR of that element is `\w\w`, and what follows `\w\w` is two reserved bytes", few.message), few
    assert EXERCISES["NextElement"].judge((never_true,), editions).label == "always_short"
    assert EXERCISES["NextElement"].judge((always_true,), editions).label == "always_long"
    for seed in range(10):
        cases = EXERCISES["NextElement"].cases(random.Random(seed))
        assert all(offset > 0 for _, offset in cases)
        vrs = [(data[offset + 4 : offset + 6].decode(), EXERCISES["NextElement"].solution(data, offset) - offset) for data, offset in cases]
        assert {vr for vr, _ in vrs} >= set(artefacts.LONG_VRS) and len({vr for vr, _ in vrs}) == 34
        assert sum(size == 8 for _, size in vrs) >= 5 and sum(size >= 65536 + 12 for _, size in vrs) == 5


@pytest.mark.parametrize("seed", range(10))
def test_lengths_are_read_whole_and_without_a_sign(seed):
    def reading(short, long, form):
        def next_element(data, offset):
            if data[offset + 4 : offset + 6].decode() in artefacts.LONG_VRS:
                return offset + 12 + struct.unpack(form[1], data[offset + 8 : offset + 8 + long] + bytes(4 - long))[0]
            return offset + 8 + struct.unpack(form[0], data[offset + 6 : offset + 6 + short] + bytes(2 - short))[0]
        return next_element

    own = Editions(hospital(seed, "tiny"))
    assert EXERCISES["NextElement"].judge((reading(2, 4, ("<H", "<I")),), own).correct
    for short, long, form, label in ((2, 4, ("<h", "<i"), "signed"), (2, 3, ("<H", "<I"), "three_bytes_of_four"),
                                     (2, 2, ("<H", "<I"), "two_bytes_of_four"), (1, 1, ("<H", "<I"), "one_byte"),
                                     (2, 4, ("<h", "<I"), None), (2, 4, ("<H", "<i"), None)):
        verdict = EXERCISES["NextElement"].judge((reading(short, long, form),), own)
        assert verdict.outcome is Outcome.NOT_YET and (label is None or verdict.label == label), verdict


def _repaired(data, uid=b"UI\x14\x001.2.840.10008.1.2.1\x00", length=lambda old: old + 2):
    meta = length(int.from_bytes(data[140:144], "little")).to_bytes(4, "little")
    return data[:140] + meta + data[144:].replace(b"\x02\x00\x10\x00UI\x12\x001.2.840.10008.1.2\x00", b"\x02\x00\x10\x00" + uid)


def _group_length_everywhere(data):
    length = int.from_bytes(data[140:144], "little")
    data = data.replace(length.to_bytes(4, "little"), (length + 2).to_bytes(4, "little"))
    return data.replace(b"\x02\x00\x10\x00UI\x12\x001.2.840.10008.1.2\x00", b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\x00")


def _uid_everywhere(data):
    length = (int.from_bytes(data[140:144], "little") + 2).to_bytes(4, "little")
    return data[:140] + length + data[144:].replace(b"\x12\x001.2.840.10008.1.2\x00", b"\x14\x001.2.840.10008.1.2.1\x00")


def _one_byte(data):
    return _repaired(data[:140] + bytes([data[140] + 2]) + data[141:], length=lambda old: old)


def _by_the_first_element(data):
    copy = _repaired(data)
    return copy[:140] + (copy.find(b"\x08\x00\x05\x00") - 144).to_bytes(4, "little") + copy[144:]


@pytest.mark.parametrize(("repair", "label", "says"), [
    (lambda data: _repaired(data, length=lambda old: 0xA2), "value", "it fits `refused`"),
    (lambda data: _repaired(data, length=lambda old: 0xA2 if old == 0xA0 else old), "value", "it fits `refused`"),
    (lambda data: _repaired(data, length=lambda old: old + 1), "one_more", "By how many bytes"),
    (lambda data: _repaired(data, length=lambda old: old + 4), "value", "says 164, while group 2 of a right one has 162 bytes"),
    (lambda data: _repaired(data, length=lambda old: int.from_bytes(old.to_bytes(4, "little"), "big") + 2), "value", "All is right but"),
    (_group_length_everywhere, "value", "the first needless change is in the value of (7fe0,0010)"),
    (_uid_everywhere, "value", "the first needless change is in the length of (0009,1003)"),
    (_one_byte, "error", "the group length, four bytes from offset 140, is 254"),
    (_by_the_first_element, "error", "OverflowError"),
    (lambda data: bytes(128) + _repaired(data)[128:], "value", "the preamble"),
    (lambda data: _repaired(data.rstrip(b"\0")), "value", "ends too early"),
    (lambda data: _repaired(data.strip()), "value", "ends too early"),
    (lambda data: _repaired(data)[:5000], "value", "ends too early, in the value of (7fe0,0010)"),
    (lambda data: (copy := _repaired(data))[:copy.rfind(b"\xfc\xff\xfc\xffOB") % len(copy) + 1], "value", "ends too early, in the tag"),
    (lambda data: _repaired(data, length=lambda old: old), "group_length_kept", "old length"),
    (lambda data: _repaired(data).replace(b"CS\x02\x00F ", b"CS\x02\x00O "), "value", "the value of (0010,0040)"),
    (lambda data: _repaired(data)[:-1], "value", "ends too early, in the value of (7fe0,0010)"),
    (lambda data: _repaired(data) + b"\0", "value", "something follows"),
    (lambda data: data[:-1], "value", "which is what it said before"),
    (lambda data: b"X" + _repaired(data)[1:], "value", "the preamble or the prefix"),
    (lambda data: _repaired(data, uid=b"UI\x14\x001.2.840.10008.1.2.2\x00"), "value", "says `1.2.840.10008.1.2.2`, but that is not how"),
    (lambda data: "text", "unreadable", "bytes"),
    (lambda data: data, "unchanged", "nothing is repaired"),
    (lambda data: _repaired(data).replace(b"HV10O234", b"HV100234"), "value", "the value of (0010,0020)"),
    (lambda data: _repaired(data).replace(b"VANDERMEER^ANA", b"UNKNOWN^FEM-77"), "value", "the value of (0010,0010)"),
    (lambda data: _repaired(data).replace(b"2.999.100.41.20250330.1.2 ", b"2.999.100.41.20250330.1.2\0"), "value", "more than was asked"),
    (lambda data: _repaired(data)[:-128] + bytes(128) if len(data) == 1252 else _repaired(data), "value", "the value of (7fe0,0010)"),
])
def test_a_wrong_repair_is_told_in_which_element(editions, repair, label, says):
    verdict = EXERCISES["Repair"].judge((repair,), editions)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label and says in verdict.message, verdict


def test_a_file_written_anew_by_pydicom_changes_more_than_was_asked(editions):
    def repair(data):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ds = pydicom.dcmread(io.BytesIO(data))
        ds.file_meta.TransferSyntaxUID = artefacts.EXPLICIT
        ds.save_as(file := io.BytesIO())
        return file.getvalue()

    assert EXERCISES["Repair"].judge((repair,), editions).label == "uid_padding_too"
    series_only = EXERCISES["Repair"].judge((lambda data: _repaired(data).replace(b" \x20\x00\x10\x00SH", b"\0\x20\x00\x10\x00SH"),), editions)
    assert series_only.outcome is Outcome.NOT_YET and "more than was asked" in series_only.message


def test_the_files_to_repair_differ_in_the_length_of_group_2_and_in_the_uid_that_is_padded_wrongly():
    for seed in range(10):
        own = hospital(seed, "tiny")
        (first,), *others = EXERCISES["Repair"].cases_on(own)
        assert first == lesson.input_of("refused", own)
        files = [file for file, in others]
        assert len({file[140] for file in files}) >= 4
        assert 0 < sum(b" \x20\x00\x0e\x00UI" in file for file in files) < len(files)
        assert 0 < sum(b" \x20\x00\x10\x00SH" in file for file in files) < len(files)


@pytest.mark.parametrize("seed", range(10))
def test_the_repaired_file_is_read_and_is_the_same_image(seed):
    repaired = EXERCISES["Repair"].solution(artefacts.damaged_file(seed))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ds = pydicom.dcmread(io.BytesIO(repaired))
        ds.pixel_array
    assert ds.file_meta.TransferSyntaxUID == artefacts.EXPLICIT
    assert ds.SOPInstanceUID == ds.file_meta.MediaStorageSOPInstanceUID


@pytest.mark.parametrize("seed", range(10))
def test_next_element_walks_as_pydicom_does(seed):
    data = artefacts.dicom_file(seed)
    step = EXERCISES["NextElement"].solution
    tags, at = [], 144 + int.from_bytes(data[140:144], "little")
    while at < len(data):
        tags.append((int.from_bytes(data[at : at + 2], "little") << 16) | int.from_bytes(data[at + 2 : at + 4], "little"))
        undefined = data[at + 8 : at + 12] == b"\xff" * 4 and data[at + 4 : at + 6] == b"SQ"
        at = data.index(b"\xfe\xff\xdd\xe0", at) + 8 if undefined else step(data, at)
    assert at == len(data)
    assert tags == [int(element.tag) for element in pydicom.dcmread(io.BytesIO(data))]
