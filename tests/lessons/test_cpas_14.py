"""What learners give in lesson cpas-14 beyond the solutions and wrong ways, and the lesson's answers beside other tools'."""

import io
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
    ("Switches", ("log, compress, audit, commit",)), ("Switches", ({"AUDIT", "commit", "Log", "compress"},)),
    ("Switches", ([0, 2, 5, 6],)),
    ("GatewayPort", ("0x2762",)),
    ("WhoCalls", (b"CTER01          ",)), ("WhoCalls", ("'CTER01'",)),
    ("LargestPdu", ("16 KiB",)), ("LargestPdu", ("0x4000",)), ("LargestPdu", (16384.0,)),
    ("WhyRefused", ("b)", "0x113")), ("WhyRefused", ("The called side does not know the AE title of the caller.", 275)),
    ("SilentMessage", ("b", 0x12B)),
    ("TagAtMark", ("0010,0020",)), ("TagAtMark", ("PatientID",)), ("TagAtMark", (0x00100020,)), ("TagAtMark", ((0x10, 0x20),)),
    ("FirstPixel", ("-1000 HU",)), ("FirstPixel", ("\u22121000",)),
    ("WhatStopsTheViewer", ("B", 0xE4)),
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
    ("WhatStopsTheViewer", ("E", 1), "cut_short"),
    ("TagAtMark", ("10002000",), "as_printed"),
    ("Switches", ("log compress",), "missing"),
])
def test_wrong_answers_are_told_apart(editions, name, given, label):
    verdict = EXERCISES[name].judge(given, editions)
    assert verdict.outcome is (Outcome.NOT_YET if label else Outcome.NOT_ANSWERED)
    assert label is None or verdict.label == label, verdict


def test_a_table_may_be_typed_or_a_frame(editions):
    import pandas
    rows = [("(0010,0010)", "PN", 14, "VANDERMEER^ANA"), ("(0010,0020)", "LO", 8, "HV10O234"),
            ("(0010,0030)", "DA", 8, "19610817"), ("(0010,0040)", "CS", 2, "F ")]
    bare = [(tag.strip("()"), *rest) for tag, *rest in rows]
    for given in (rows, bare, pandas.DataFrame(rows, columns=["Tag", "VR", "Length", "Value"]).sample(frac=1, random_state=1)):
        assert EXERCISES["PatientElements"].judge((given,), editions).correct


def test_other_ways_to_write_the_functions_are_right(editions):
    def deframe(chunks):
        return [found.decode() for found in re.findall(rb"\x0b(.*?)\r?\x1c\r", b"".join(chunks), re.DOTALL)]

    def next_element(data, offset):
        if data[offset + 4 : offset + 6].decode() in artefacts.LONG_VRS:
            return offset + 12 + struct.unpack("<I", data[offset + 8 : offset + 12])[0]
        return offset + 8 + struct.unpack("<H", data[offset + 6 : offset + 8])[0]

    def repair(data):
        copy = bytearray(data)
        at = copy.find(b"\x02\x00\x10\x00UI")
        copy[at : at + 26] = b"\x02\x00\x10\x00UI\x14\x001.2.840.10008.1.2.1\x00"
        copy[140] += 2
        return copy

    for function in (deframe, next_element, repair):
        name = {"deframe": "WhereAMessageEnds", "next_element": "NextElement", "repair": "Repair"}[function.__name__]
        verdict = EXERCISES[name].judge((function,), editions)
        assert verdict.correct, verdict


def test_a_wrong_repair_is_told_where_it_goes_wrong(editions):
    verdict = EXERCISES["Repair"].judge((lambda data: data[:-1],), editions)
    assert verdict.outcome is Outcome.NOT_YET and "offset 140" in verdict.message, verdict
    assert EXERCISES["Repair"].judge((lambda data: "text",), editions).label == "unreadable"


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
