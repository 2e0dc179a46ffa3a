"""Tags and UIDs as people write them."""

import pydicom
import pytest
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian

from coursekit.standards.dicom import tag, uid


@pytest.mark.parametrize(
    "written",
    [
        "(0010,0010)", "0010,0010", "(0010, 0010)", "00100010", "0x00100010", "(0x0010,0x0010)", " 0010 0010 ", "0010:0010",
        0x00100010, (0x10, 0x10), [0x10, 0x10], ("0010", "0010"), Tag(0x10, 0x10), "PatientName", "patientname",
        "Patient's Name", "Patient’s Name", "patient name", "'(0010,0010)'", "(0010,0010) Patient's Name", "[0010,0010]",
        "Patient's Name (0010,0010)", "(0010,0010) Patient's Name                      PN: 'A^B'", "\u201c(0010,0010)\u201d",
    ],
)  # fmt: skip
def test_a_tag_in_every_usual_form(written):
    assert tag(written) == "(0010,0010)"


def test_a_data_element_counts_as_its_tag():
    ds = pydicom.Dataset()
    ds.PatientName = "A^B"
    assert tag(ds["PatientName"]) == "(0010,0010)"


def test_hex_digits_in_any_case():
    assert tag("(7FE0,0010)") == tag("7fe00010") == tag("Pixel Data") == "(7fe0,0010)"


@pytest.mark.parametrize("behind", [": RLE Lossless", " = 1.2.840.10008.1.2.5", " UI", " UI: RLE Lossless", " UI 1.2.840.10008.1.2.5", "=x"])
def test_a_tag_before_its_value(behind):
    assert tag("(0002,0010)" + behind) == tag("0002,0010" + behind) == "(0002,0010)"


@pytest.mark.parametrize("behind", [": (0002,0012)", " = 0028,0010", ": Rows", " UI (0002,0012)", " or so", " CT", " QQ 4"])
def test_a_tag_before_something_else(behind):
    with pytest.raises(ValueError):
        tag("(0002,0010)" + behind)


def test_a_private_tag():
    assert tag("(0043,1010)") == tag("0043 1010") == "(0043,1010)"


def test_a_private_tag_with_the_name_that_a_library_knows():
    assert tag("(0043,1010) [Window value]                      US: 400") == tag("(0043,1010) [Window value]") == "(0043,1010)"
    assert tag("(0043,1010)[Window value]") == "(0043,1010)"
    assert tag("(0009,0010) Private Creator") == "(0009,0010)"


@pytest.mark.parametrize("written, said", [
    ("(0043,1010) and (0043,101D)", "one tag"), ("(0002,0010) or (7FE0,0010)", "one tag"), ("(0010,0010),(0010,0020)", "one tag"),
    ("00100010 00100020", "one tag"), ("PatientName or PatientID", "one tag"), (["(0010,0010)", "(0010,0020)"], "one tag"),
    ((0x00100010, 0x00100020), "one tag"), ("(0043,1010) [Window value] or (0043,101D)", "one tag"),
    ("(0028,004)", "four hex digits each"), ("(28,4)", "four hex digits each"), ("0028004", "four hex digits each"),
    (("28", "4"), "four hex digits each"), ("400", "four hex digits each"), ("0x28", "four hex digits each"),
    ("1.2.840.10008.1.2.5", "UID"), ("RLE Lossless", "UID"),
    ("(0028,0010) Columns", "not its name"), ("(0028,0004) MONOCHROME1", "not its name"), ("(0010,0010) [Name]", "not its name"),
    ("the second one", "neither a tag"),
])  # fmt: skip
def test_what_is_not_exactly_one_tag_is_told_why(written, said):
    with pytest.raises(ValueError, match=said):
        tag(written)


@pytest.mark.parametrize("written", ["", "  ", "0010", "(0010,00100)", "NoSuchThing", -1, 1 << 40, (1,), (1, 2, 3), 1.5, None, True, "12G40010"])
def test_what_is_no_tag(written):
    with pytest.raises(ValueError) as caught:
        tag(written)
    assert str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "written",
    [
        "1.2.840.10008.1.2.1", " 1.2.840.10008.1.2.1 ", "1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1\0", ExplicitVRLittleEndian,
        "ExplicitVRLittleEndian", "Explicit VR Little Endian", "explicit vr little endian", '"1.2.840.10008.1.2.1"',
    ],
)  # fmt: skip
def test_a_uid_in_every_usual_form(written):
    assert uid(written) == "1.2.840.10008.1.2.1"


def test_well_known_names():
    assert uid("Implicit VR Little Endian") == "1.2.840.10008.1.2"
    assert uid("RLE Lossless") == "1.2.840.10008.1.2.5"
    assert uid("CT Image Storage") == "1.2.840.10008.5.1.4.1.1.2"
    assert uid("JPEG Baseline") == "1.2.840.10008.1.2.4.50"


@pytest.mark.parametrize("written", ["", "1.2.840.10008.1.02", "1..2", "1.2.", "12", "1.2.3 4", "Nonsense", 12, None, "1." + "2" * 70])
def test_what_is_no_uid(written):
    with pytest.raises(ValueError):
        uid(written)
