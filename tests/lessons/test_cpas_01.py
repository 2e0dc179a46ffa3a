"""cpas-01: what the general test of exercises does not see: answers as a person would write them."""

import numpy as np
import pytest

from coursekit import lessons
from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital

LESSON = lessons.load("cpas-01")
EDITIONS = Editions(hospital(0, "tiny"), list)


def _verdict(name, *given):
    exercise = next(one for one in LESSON.exercises if one.name == name)
    return exercise.judge(given, EDITIONS)


def _input(name):
    return LESSON.input_of(name, EDITIONS.own)


def clipped(value, center, width):
    if width == 1:
        return 0 if value < center else 255
    return np.clip(((value - (center - 0.5)) / (width - 1) + 0.5) * 255, 0, 255)


RIGHT = [
    *(("DayOfTheScan", written) for written in (
        "19970430", 19970430, "1997-04-30", "30/04/1997", "30-4-1997", "04/30/1997", "30 April 1997", "April 30, 1997",
        "30. apr 1997", " 19970430 ", np.int64(19970430), "30th April 1997")),
    *(("NumbersInWords", written) for written in (
        "(0028,0030), (0028,1050), (0028,1051), (0028,1052), (0028,1053)",
        ["PixelSpacing", "WindowCenter", "WindowWidth", "RescaleIntercept", "RescaleSlope"],
        {0x00280030, 0x00281050, 0x00281051, 0x00281052, 0x00281053},
        ["Pixel Spacing", "Window Center", "Window Width", "Rescale Intercept", "Rescale Slope"],
        [(0x28, 0x30), (0x28, 0x1050), (0x28, 0x1051), (0x28, 0x1052), (0x28, 0x1053)])),
    *(("HiddenWidth", written) for written in ("(0043,1010)", "00431010", "0043 1010", 0x00431010, (0x0043, 0x1010), "(0043,1010) [Window value]")),
    ("HowItIsEncoded", "C", "(0002,0010)"), ("HowItIsEncoded", "c", "Transfer Syntax UID"), ("HowItIsEncoded", "C)", 0x00020010),
    ("BytesOfTheClip", 5529600), ("BytesOfTheClip", "5,529,600 bytes"), ("BytesOfTheClip", "5.5296 MB"), ("BytesOfTheClip", 5529600.0),
    ("WindowAsTheStandardSaysIt", clipped),
    ("WhoIsToBlame", "b", "0028,0004"), ("WhoIsToBlame", "B", "Photometric Interpretation"),
]  # fmt: skip


@pytest.mark.parametrize("name, given", [(name, given) for name, *given in RIGHT], ids=lambda value: str(value)[:40])
def test_a_right_answer_in_another_form(name, given):
    verdict = _verdict(name, *given)
    assert verdict.outcome is Outcome.CORRECT, repr(verdict)


WRONG = [
    ("DayOfTheScan", "1997-04-31", None), ("DayOfTheScan", "2004-01-19", "study_date"), ("DayOfTheScan", "19 January 2004", "study_date"),
    ("DayOfTheScan", 862399669, "private_clock"), ("DayOfTheScan", "112936", "time_of_day"), ("DayOfTheScan", "1997", None),
    ("NumbersInWords", ["WindowCenter", "WindowWidth", "RescaleIntercept", "RescaleSlope"], "single_values"),
    ("NumbersInWords", "DS", None), ("NumbersInWords", ["0028,1050"], "missing"),
    ("HiddenWidth", 400, None), ("HiddenWidth", "Window Width", "the_standard_one"), ("HiddenWidth", "(0043,101D)", "the_level"),
    ("HowItIsEncoded", "A", "(0002,0010)", "believes_the_comment"), ("HowItIsEncoded", "C", "(0008,0016)", "by_the_class"),
    ("BytesOfTheClip", 230400, "one_frame"), ("BytesOfTheClip", "5529600 bits", None), ("BytesOfTheClip", 5400, None),
    ("WhoIsToBlame", "A", "(0028,0004)", "sent_inverted"), ("WhoIsToBlame", "B", "(0028,1051)", "by_the_window"),
    ("WhoIsToBlame", "B", "MONOCHROME1", "evidence"),
]  # fmt: skip


@pytest.mark.parametrize("name, given, label", [(name, given, label) for name, *given, label in WRONG], ids=lambda value: str(value)[:40])
def test_a_wrong_answer_that_looks_right(name, given, label):
    verdict = _verdict(name, *given)
    assert verdict.outcome is Outcome.NOT_YET, repr(verdict)
    assert label is None or verdict.label == label, repr(verdict)


def test_other_ways_to_the_same_numbers():
    ct, clot, chest, spot = map(_input, ("ct", "clot", "chest", "spot"))
    a, b, c, d = clot
    hu = ct.pixel_array * 1.0 + float(ct.RescaleIntercept)
    assert _verdict("IsItBlood", round(hu[a:b, c:d].mean(), 1)).correct
    assert _verdict("MeanWithoutPadding", f"{hu[hu > -2000].mean():.1f} HU").correct
    assert _verdict("MeanWithoutPadding", np.ma.masked_equal(ct.pixel_array, -2000).mean() - 1024).correct
    grey = 255 - clipped(int(chest.pixel_array[spot]), float(chest.WindowCenter), float(chest.WindowWidth))
    assert _verdict("GreyOnTheScreen", round(float(grey))).correct
    assert _verdict("GreyOnTheScreen", int(grey)).correct


def test_the_sheet_as_a_frame_and_with_numbers_read():
    pandas = pytest.importorskip("pandas")
    exercise = next(one for one in LESSON.exercises if one.name == "ReceivingSheet")
    rows = exercise.computed(exercise.solution, EDITIONS.own)
    frame = pandas.DataFrame(rows)
    assert _verdict("ReceivingSheet", frame).correct
    assert _verdict("ReceivingSheet", frame.set_index("patient_id")).correct
    frame["window_width"] = frame["window_width"].astype(float)
    assert _verdict("ReceivingSheet", frame.sample(frac=1, random_state=1)).correct


def test_the_window_answered_for_whole_numbers_only_is_told_why():
    def rounded(value, center, width):
        return int(clipped(value, center, width))

    assert _verdict("WindowAsTheStandardSaysIt", rounded).outcome is Outcome.NOT_YET


def test_width_one_is_told_as_such():
    def divides(value, center, width):
        return np.clip(((value - (center - 0.5)) / (width - 1) + 0.5) * 255, 0, 255).item()

    verdict = _verdict("WindowAsTheStandardSaysIt", divides)
    assert verdict.label == "error" and "ZeroDivisionError" in verdict.message


def test_no_input_is_changed_by_solving():
    for exercise in LESSON.exercises:
        if exercise.cases is None:
            exercise.computed(exercise.solution, EDITIONS.own)
    assert _input("ct").pixel_array.dtype == np.int16 and "PixelData" not in _input("clip")
