"""DICOM objects as what they say, whatever way they come."""

import io

import pydicom
import pytest

from coursekit.hospital import images
from coursekit.standards import objects


@pytest.fixture(scope="module")
def ct():
    return images.image("ct_head", 1)


def as_bytes(ds):
    file = io.BytesIO()
    ds.save_as(file, enforce_file_format=True)
    return file.getvalue()


def test_a_data_set_and_its_file_say_the_same(ct):
    assert objects.attributes([ct]) == objects.attributes([as_bytes(ct)])
    (name, parts), = objects.attributes([ct]).items()
    assert name == f"the object with Instance Number {ct.InstanceNumber}"
    assert parts["Patient ID (0010,0020)"] == ct.PatientID and len(parts["Pixel Data (7FE0,0010)"]) == 64
    assert not any("(0002," in part for part in parts)


def test_padding_and_empty_components_do_not_count(ct):
    other = images.image("ct_head", 1)
    other.PatientName = str(ct.PatientName) + "^^"
    other.PatientID = ct.PatientID + " "
    assert objects.attributes([other]) == objects.attributes([ct])
    other.PatientID = ct.PatientID[:-1]
    assert objects.attributes([other]) != objects.attributes([ct])


def test_sequences_are_told_item_by_item(ct):
    other = images.image("ct_head", 1)
    item = pydicom.Dataset()
    item.ReasonForTheAttributeModification = "COERCE"
    other.OriginalAttributesSequence = [item]
    parts = objects.attributes([other]).popitem()[1]
    before = "Original Attributes Sequence (0400,0561)"
    assert parts[before] == "1 items"
    assert parts[before + " item 1 > Reason for the Attribute Modification (0400,0565)"] == "COERCE"


@pytest.mark.parametrize("content, says", (
    (b"GIF89a" + bytes(200), "no DICM"), (b"", "no DICM"), (5, "no DICOM object"), (None, "no DICOM object"),
    (pydicom.Dataset(), "can't be written"),
))
def test_what_is_no_object_gets_a_sentence(content, says):
    with pytest.raises(ValueError, match=says):
        objects.attributes([content])


def test_one_object_twice_is_said(ct):
    with pytest.raises(ValueError, match="twice"):
        objects.attributes([ct, as_bytes(ct)])
