"""cpas-01: what the general test of exercises does not see: answers as a person would write them."""

import datetime
import operator

import numpy as np
import pandas
import pytest

from coursekit import lessons
from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.figures import Display
from coursekit.hospital import hospital, images

LESSON = lessons.load("cpas-01")
EDITIONS = Editions(hospital(0, "tiny"), list)


def _verdict(name, *given):
    exercise = next(one for one in LESSON.exercises if one.name == name)
    return exercise.judge(given, EDITIONS)


def _input(name):
    return LESSON.input_of(name, EDITIONS.own)


def clipped(value, center, width):
    if width == 1:
        return 0 if value <= center - 0.5 else 255
    return np.clip(((value - (center - 0.5)) / (width - 1) + 0.5) * 255, 0, 255)


RIGHT = [
    *(("DayOfTheScan", written) for written in (
        "19970430", 19970430, "1997-04-30", "30/04/1997", "30-4-1997", "04/30/1997", "30 April 1997", "April 30, 1997",
        "30. apr 1997", " 19970430 ", np.int64(19970430), "30th April 1997", datetime.date(1997, 4, 30), "1997-04-30 11:29:36",
        "1997-04-30T11:29:36", "19970430 112936", "Acquisition Date: 30/04/1997", "DA: '19970430'", "Wednesday, 30 April 1997",
        "1997/4/30", "1997-4-30", "1997.4.30", "Series Date 19970430", "Wed 30th of April 1997", "1997 April 30", "30APR1997", 19970430112936,
        "(0008,0022) Acquisition Date                    DA: '19970430'")),
    *(("NumbersInWords", written) for written in (
        "(0028,0030), (0028,1050), (0028,1051), (0028,1052), (0028,1053)",
        ["PixelSpacing", "WindowCenter", "WindowWidth", "RescaleIntercept", "RescaleSlope"],
        {0x00280030, 0x00281050, 0x00281051, 0x00281052, 0x00281053},
        ["Pixel Spacing", "Window Center", "Window Width", "Rescale Intercept", "Rescale Slope"],
        [(0x28, 0x30), (0x28, 0x1050), (0x28, 0x1051), (0x28, 0x1052), (0x28, 0x1053)])),
    *(("HiddenWidth", written) for written in ("(0043,1010)", "00431010", "0043 1010", 0x00431010, (0x0043, 0x1010), "(0043,1010) [Window value]",
        "(0043,1010) [Window value]                      US: 400", "(0043,1010) US 400", "(0043,1010) = 400", "(0043,1010) Window value", "(0043,1010): Window Value")),
    ("HowItIsEncoded", "C", "(0002,0010)"), ("HowItIsEncoded", "c", "Transfer Syntax UID"), ("HowItIsEncoded", "C)", 0x00020010), ("HowItIsEncoded", "C", "Transfer Syntax UID (0002,0010)"),
    ("HowItIsEncoded", "RLE Lossless", "(0002,0010)"), ("WhoIsToBlame", "B", "(0028,0004) = MONOCHROME1"),
    ("WhoIsToBlame", "B", "(0028,0004) MONOCHROME1"), ("BytesOfTheClip", "5529600 Byte"), ("BytesOfTheClip", "5,529,600 Bytes"),
    ("BytesOfTheClip", 5529600), ("BytesOfTheClip", "5.529.600"), ("BytesOfTheClip", "5,529,600 bytes"), ("BytesOfTheClip", "5.5296 MB"), ("BytesOfTheClip", 5529600.0),
    ("WindowAsTheStandardSaysIt", clipped),
    ("HowItIsEncoded", "C", "(0002,0010) RLE Lossless"), ("HowItIsEncoded", "C", "(0002,0010): RLE Lossless"), ("HowItIsEncoded", "C", "(0002,0010) = 1.2.840.10008.1.2.5"),
    ("WhoIsToBlame", "b", "0028,0004"), ("WhoIsToBlame", "B", "Photometric Interpretation"),
]  # fmt: skip


@pytest.mark.parametrize("name, given", [(name, given) for name, *given in RIGHT], ids=[f"{number} {one[0]}" for number, one in enumerate(RIGHT)])
def test_a_right_answer_in_another_form(name, given):
    verdict = _verdict(name, *given)
    assert verdict.outcome is Outcome.CORRECT, repr(verdict)


WRONG = [
    ("DayOfTheScan", "1997-04-31", None), ("DayOfTheScan", "2004-01-19", "study_date"), ("DayOfTheScan", "19 January 2004", "study_date"),
    ("DayOfTheScan", 862399669, "private_clock"), ("DayOfTheScan", "112936", "time_of_day"), ("DayOfTheScan", "1997", None),
    ("DayOfTheScan", "19970430 or 20040119", "unreadable"),
    ("NumbersInWords", ["WindowCenter", "WindowWidth", "RescaleIntercept", "RescaleSlope"], "single_values"),
    ("NumbersInWords", "DS", None), ("NumbersInWords", ["0028,1050"], "missing"),
    ("HiddenWidth", 400, None), ("HiddenWidth", "Window Width", "the_standard_one"), ("HiddenWidth", "(0043,101D)", "the_level"),
    ("HowItIsEncoded", "A", "(0002,0010)", "believes_the_comment"), ("HowItIsEncoded", "C", "(0008,0016)", "by_the_class"),
    ("HowItIsEncoded", "C", "Image Comments", "comment_as_proof"), ("HowItIsEncoded", "A", "(0002,0010)", "believes_the_comment"),
    ("HowItIsEncoded", "C", "(0002,0010) or (7FE0,0010)", "evidence"), ("HiddenWidth", "(0043,1010) and (0043,101D)", "unreadable"),
    ("WhoIsToBlame", "B", "(0028,004)", "evidence"),
    ("BytesOfTheClip", 230400, "one_frame"), ("BytesOfTheClip", "5529600 bits", None), ("BytesOfTheClip", 5400, None),
    ("WhoIsToBlame", "A", "(0028,0004)", "sent_inverted"), ("WhoIsToBlame", "B", "(0028,1051)", "by_the_window"),
    ("WhoIsToBlame", "B", "MONOCHROME1", "evidence"), ("WhoIsToBlame", "B", "(2050,0020)", "by_the_lut_shape"),
    ("WhoIsToBlame", "B", "(0028,1054)", "by_the_rescale_type"),
    ("HowItIsEncoded", "C", "(0002,0002)", "by_the_kind_of_object"), ("HowItIsEncoded", "C", "(0028,2112)", "by_the_ratio"),
    ("HowItIsEncoded", "C", "(0028,2110)", "by_the_loss"), ("BytesOfTheClip", "240*320*3*24", "unreadable"),
    ("GreyOnTheScreen", 154.5, "lowest_to_highest"), ("GreyOnTheScreen", 151.4, "up_to_the_highest"), ("GreyOnTheScreen", 100.5, "as_ws_ed1_shows_it"),
    ("MeanWithoutPadding", -534.2, "padding_as_stored_zero"), ("MeanWithoutPadding", 60.6, "stored_values_with_padding"),
    ("MeanWithoutPadding", -155.7, "above_air"), ("HiddenWidth", "(0043,101D) window value", "the_level"),
    ("NumbersInWords", ["0028,0030", "0028,1050", "0028,1051", "0028,1052", "0028,1053", "0028,0004"], "code_words_too"),
    ("NumbersInWords", ["0028,0030", "0028,1050", "0028,1051", "0028,1052", "0028,1053", "0028,1054"], "descriptions_too"),
]  # fmt: skip


@pytest.mark.parametrize("name, given, label", [(name, given, label) for name, *given, label in WRONG], ids=[f"{number} {one[0]}" for number, one in enumerate(WRONG)])
def test_a_wrong_answer_that_looks_right(name, given, label):
    verdict = _verdict(name, *given)
    assert verdict.outcome is Outcome.NOT_YET, repr(verdict)
    assert label is None or verdict.label == label, repr(verdict)


SAID = [
    (("DayOfTheScan", "AcquisitionDate"), "right element; now give the value"),
    (("DayOfTheScan", "(0008,0022)"), "right element; now give the value"),
    (("DayOfTheScan", "Study Date"), "names an element"),
    (("DayOfTheScan", "30.4.97"), "write all four"),
    (("DayOfTheScan", "Wednesday"), "day of the week"),
    (("DayOfTheScan", "April 1997"), "a day is asked"),
    (("DayOfTheScan", "1997-04-31"), "no such day"),
    (("DayOfTheScan", "30 April"), "the year belongs to it"), (("DayOfTheScan", "April 30th"), "the year belongs to it"),
    (("DayOfTheScan", "30/04"), "the year belongs to it"), (("DayOfTheScan", "30 avril 1997"), "write the month as a number"),
    (("BytesOfTheClip", "240 x 320 x 3 x 24"), "a calculation in quotes"),
    (("HiddenWidth", 400), "that is the value"),
    (("HiddenWidth", "400"), "that is the value"),
    (("HiddenWidth", "[Window value]"), "that is a name"),
    (("HiddenWidth", "40"), "that is a number"),
    (("HowItIsEncoded", "C", "RLE Lossless"), "the value that an element holds"),
    (("HowItIsEncoded", "C", "1.2.840.10008.1.2.5"), "the value that an element holds"),
    (("WhoIsToBlame", "B", "MONOCHROME1"), "its value; asked is the element's tag"),
    (("DayOfTheScan", "(0008,0020) 19970430"), "holds another day"), (("DayOfTheScan", "Study Date: 1997-04-30"), "holds another day"),
    (("DayOfTheScan", "30041997"), "read as year, month and day"), (("DayOfTheScan", "04301997"), "read as year, month and day"),
    (("DayOfTheScan", "040119"), "write all four"), (("DayOfTheScan", "199704"), "a day is asked"),
    (("NumbersInWords", [["(0028,0030)", "(0028,1050)", "(0028,1051)"]]), "in one place of the list"),
    (("HiddenWidth", "(0043,xx10)"), "with the creator's block in place of xx"),
    (("HowItIsEncoded", "C", "(0002,0016)"), "That is Source Application Entity Title, which does not say how the pixel data is encoded"),
    (("HowItIsEncoded", "C", "(0009,0010)"), "That is another element, which does not say"),
    (("WhoIsToBlame", "B", "(0028,1050)"), "That is Window Center, which does not say which end is black"),
    (("WhoIsToBlame", "B", "(7FE0,0010)"), "That is Pixel Data, which does not say"),
    (("WhoIsToBlame", "B", "(0028,0004) = MONOCHROME2"), "is not what the element holds in this file"),
    (("WhoIsToBlame", "B", "(0028,0004) and (0028,0002)"), "one tag is asked"),
]


@pytest.mark.parametrize("given, said", SAID, ids=lambda value: str(value)[:50])
def test_what_is_nearly_an_answer_is_told_what_it_is(given, said):
    verdict = _verdict(*given)
    assert verdict.outcome is Outcome.NOT_YET and said in verdict.message, repr(verdict)


def test_an_element_itself_stands_for_its_tag():
    old_ct, ct_copy, chest = map(_input, ("old_ct", "ct_copy", "chest"))
    assert _verdict("HiddenWidth", old_ct[0x0043, 0x1010]).correct
    assert _verdict("HiddenWidth", old_ct[0x0043, 0x101D]).label == "the_level"
    assert _verdict("HowItIsEncoded", "C", ct_copy.file_meta["TransferSyntaxUID"]).correct
    assert _verdict("WhoIsToBlame", "B", chest["PhotometricInterpretation"]).correct


def _on_edges(low, high):
    """LINEAR with the comparisons that are given."""

    def window_grey(value, center, width):
        if low(value, center - 0.5 - (width - 1) / 2):
            return 0
        if high(value, center - 0.5 + (width - 1) / 2):
            return 255
        return ((value - (center - 0.5)) / (width - 1) + 0.5) * 255

    return window_grey


def test_the_edges_of_the_window():
    assert _verdict("WindowAsTheStandardSaysIt", _on_edges(operator.le, operator.gt)).correct
    assert _verdict("WindowAsTheStandardSaysIt", _on_edges(operator.le, operator.ge)).correct
    assert _verdict("WindowAsTheStandardSaysIt", _on_edges(operator.lt, operator.ge)).label == "upper_edge_first"
    verdict = _verdict("WindowAsTheStandardSaysIt", _on_edges(operator.lt, operator.gt))
    assert verdict.label == "nothing_to_divide_by" and "ZeroDivisionError" in verdict.message

    def interpolated(value, center, width):
        return np.interp(value, [center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2], [0, 255])

    assert _verdict("WindowAsTheStandardSaysIt", interpolated).label == "upper_edge_first"


def test_one_grey_off_is_refused_and_rounding_is_not():
    chest, spot = _input("chest"), _input("spot")
    after = clipped(int(chest.pixel_array[spot]), float(chest.WindowCenter), float(chest.WindowWidth))
    assert _verdict("GreyOnTheScreen", 256 - after).label == "from_256"
    assert _verdict("GreyOnTheScreen", round(255 - after) + 1).label == "from_256"
    assert _verdict("GreyOnTheScreen", round(255 - after) - 1).label == "from_254"
    assert _verdict("GreyOnTheScreen", chest.pixel_array[spot]).label == "stored_value"
    assert _verdict("GreyOnTheScreen", np.uint8(255) - np.uint8(np.round(after))).correct


def test_the_rectangle_lies_where_it_is_said_to():
    inside = images.regions("ct_head", 0)["clot"]
    first, after, left, right = _input("clot")
    assert inside[0] <= first < after <= inside[1] and inside[2] <= left < right <= inside[3]
    assert after - first >= 10 and right - left >= 4


def test_a_row_or_column_more_less_or_elsewhere_is_refused_to_one_decimal_too():
    stored, box = _input("ct").pixel_array, _input("clot")
    one_end = [tuple(step if at == end else 0 for at in range(4)) for end in range(4) for step in (1, -1)]
    moved = [(step * rows, step * rows, step * columns, step * columns) for step in (1, -1) for rows, columns in ((1, 0), (0, 1), (1, 1))]
    for slip in (*one_end, *moved):
        first, after, left, right = (place + step for place, step in zip(box, slip, strict=True))
        mean = stored[first:after, left:right].mean() - 1024
        assert not _verdict("IsItBlood", mean).correct and not _verdict("IsItBlood", round(mean, 1)).correct, slip


def test_a_row_or_a_column_too_many_or_too_few_is_told_as_what_it_is():
    stored, (first, after, left, right) = _input("ct").pixel_array, _input("clot")
    for label, end, last in (("row_too_many", 1, 0), ("row_too_few", -1, 0), ("column_too_many", 0, 1), ("column_too_few", 0, -1),
                             ("one_too_many", 1, 1), ("one_too_few", -1, -1)):
        assert _verdict("IsItBlood", stored[first:after + end, left:right + last].mean() - 1024).label == label


def test_the_windows_bear_out_what_section_7_says():
    """From the lowest to the highest value the bleed has a few greys, with the padding or without; with the header's window it has many."""
    ct, (first, after, left, right) = _input("ct"), _input("clot")
    display = Display(ct)
    low, high = np.nanmin(display.values), np.nanmax(display.values)
    brain = slice(first, after), slice(200, 240)
    blood = slice(first, after), slice(left, right)

    def greys_apart(grey):
        return grey[blood].mean() - grey[brain].mean()

    assert 0 < greys_apart(Display(ct.pixel_array).grey.astype(float)) < 4
    assert 0 < greys_apart(display.grey_with((low + high + 1) / 2, high - low + 1).astype(float)) < 7
    assert greys_apart(display.grey.astype(float)) > 80


def test_other_ways_to_the_same_numbers():
    ct, clot, chest, spot = map(_input, ("ct", "clot", "chest", "spot"))
    a, b, c, d = clot
    hu = ct.pixel_array * 1.0 + float(ct.RescaleIntercept)
    assert _verdict("IsItBlood", round(hu[a:b, c:d].mean(), 1)).correct
    assert _verdict("MeanWithoutPadding", f"{hu[hu > -2000].mean():.1f} HU").correct
    assert _verdict("MeanWithoutPadding", np.ma.masked_equal(ct.pixel_array, -2000).mean() - 1024).correct
    grey = 255 - clipped(int(chest.pixel_array[spot]), float(chest.WindowCenter), float(chest.WindowWidth))
    assert _verdict("GreyOnTheScreen", round(float(grey))).correct
    assert _verdict("GreyOnTheScreen", f"grey {grey:.1f}").correct
    assert _verdict("GreyOnTheScreen", int(grey)).label == "from_254", "cut off, not rounded"
    assert _verdict("IsItBlood", f"{hu[a:b, c:d].mean():.1f} Hounsfield units").correct
    assert _verdict("IsItBlood", f"HU {hu[a:b, c:d].mean():.1f}").correct


def test_the_sheet_as_a_frame_and_with_numbers_read():
    exercise = next(one for one in LESSON.exercises if one.name == "ReceivingSheet")
    rows = exercise.computed(exercise.solution, EDITIONS.own)
    frame = pandas.DataFrame(rows)
    assert _verdict("ReceivingSheet", frame).correct
    assert _verdict("ReceivingSheet", frame.set_index("patient_id")).correct
    frame["window_width"] = frame["window_width"].astype(float)
    assert _verdict("ReceivingSheet", frame.sample(frac=1, random_state=1)).correct


def test_the_window_answered_in_whole_numbers_is_told_why():
    assert _verdict("WindowAsTheStandardSaysIt", lambda *case: int(clipped(*case))).label == "cut_off"
    assert _verdict("WindowAsTheStandardSaysIt", lambda *case: np.round(clipped(*case))).label == "rounded"


def test_width_one_is_told_as_such():
    def divides(value, center, width):
        return np.clip(((value - (center - 0.5)) / (width - 1) + 0.5) * 255, 0, 255).item()

    verdict = _verdict("WindowAsTheStandardSaysIt", divides)
    assert verdict.label == "nothing_to_divide_by" and "ZeroDivisionError" in verdict.message
    verdict = _verdict("WindowAsTheStandardSaysIt", lambda value, center, width: ((value - (center - 0.5)) / (width - 1) + 0.5) * 255)
    assert verdict.label == "unclipped_to_the_letter" and "not clipped" in verdict.message


def _between(largest):
    """LINEAR with another largest grey between the ends."""

    def window_grey(value, center, width):
        if value <= center - 0.5 - (width - 1) / 2:
            return 0
        if value > center - 0.5 + (width - 1) / 2:
            return 255
        return ((value - (center - 0.5)) / (width - 1) + 0.5) * largest

    return window_grey


def _without_brackets(value, center, width):
    if value <= center - 0.5 - (width - 1) / 2:
        return 0
    if value > center - 0.5 + (width - 1) / 2:
        return 255
    return (value - (center - 0.5)) / (width - 1) + 0.5 * 255


def test_brackets_missing_at_the_ends_are_not_taken_for_width_one():
    def both(value, center, width):
        if value <= center - 0.5 - width - 1 / 2:
            return 0
        if value > center - 0.5 + width - 1 / 2:
            return 255
        return ((value - (center - 0.5)) / (width - 1) + 0.5) * 255

    verdict = _verdict("WindowAsTheStandardSaysIt", both)
    assert verdict.label == "ends_without_brackets" and "brackets" in verdict.message, verdict

    def lower(value, center, width):
        return 0 if value <= center - 0.5 - width - 1 / 2 else 255 if value > center - 0.5 + (width - 1) / 2 else both(value, center, width)

    assert _verdict("WindowAsTheStandardSaysIt", lower).label == "lower_end_without_brackets"


def test_a_grey_reckoned_in_32_bits_is_right():
    def grey(value, center, width):
        value, center, width = np.float32(value), np.float32(center), np.float32(width)
        if value <= center - np.float32(0.5) - (width - 1) / 2:
            return np.float32(0)
        if value > center - np.float32(0.5) + (width - 1) / 2:
            return np.float32(255)
        return ((value - (center - np.float32(0.5))) / (width - 1) + np.float32(0.5)) * np.float32(255)

    assert _verdict("WindowAsTheStandardSaysIt", grey).correct
    assert _verdict("WindowAsTheStandardSaysIt", lambda *case: np.float32(clipped(*case))).correct


def test_scales_and_places_that_beginners_exchange():
    assert _verdict("WindowAsTheStandardSaysIt", _between(256)).label == "times_256_between"
    assert _verdict("WindowAsTheStandardSaysIt", lambda *case: min(_between(256)(*case), 255)).label == "times_256_clipped"
    assert _verdict("WindowAsTheStandardSaysIt", _without_brackets).label == "outer_brackets_missing"
    assert _verdict("WindowAsTheStandardSaysIt", _between(1)).label == "up_to_one_between"
    assert _verdict("WindowAsTheStandardSaysIt", lambda value, width, center: _between(255)(value, center, width)).label == "centre_and_width_swapped"


def test_one_dictionary_in_all_rows_is_told_as_such():
    row, rows = {}, []
    for ds in _input("arrivals"):
        row["patient_id"] = ds.PatientID
        rows.append(row)
    verdict = _verdict("ReceivingSheet", rows)
    assert verdict.label == "unreadable" and "one and the same dictionary" in verdict.message
    exercise = next(one for one in LESSON.exercises if one.name == "ReceivingSheet")
    right = exercise.computed(exercise.solution, EDITIONS.own)
    verdict = _verdict("ReceivingSheet", pandas.DataFrame([right[0]] * 5))
    assert verdict.label == "repeated row" and "5 times, and others are missing" in verdict.message


@pytest.mark.parametrize("column, written, label", [
    ("pixel_bytes", lambda value: f"{value} bytes", "correct"), ("pixel_bytes", lambda value: f"{value / 1000} kB", "correct"),
    ("transfer_syntax", lambda value: value.replace(" ", ""), "correct"),
    ("window_width", lambda value: "-" if value is None else value, "absent_is_a_word"),
    ("window_width", lambda value: "n/a" if value is None else value, "absent_is_a_word"),
    ("pixel_bytes", lambda value: "many", "unreadable"),
])
def test_the_cells_of_the_sheet_in_other_forms(column, written, label):
    exercise = next(one for one in LESSON.exercises if one.name == "ReceivingSheet")
    rows = [{**row, column: written(row[column])} for row in exercise.computed(exercise.solution, EDITIONS.own)]
    assert _verdict("ReceivingSheet", rows).label == label


def _linear(low=lambda center, width: center - 0.5 - (width - 1) / 2, high=lambda center, width: center - 0.5 + (width - 1) / 2,
            one=lambda width: width == 1, first=lambda *case: case):
    """LINEAR with its own branch for width 1, and with other ends, another bound of that branch or other values where they are given."""

    def window_grey(value, center, width):
        value, center, width = first(value, center, width)
        if one(width):
            return 0 if value <= center - 0.5 else 255
        if value <= low(center, width):
            return 0
        if value > high(center, width):
            return 255
        return ((value - (center - 0.5)) / (width - 1) + 0.5) * 255

    return window_grey


def test_slips_at_the_ends_of_the_window_are_told():
    assert _verdict("WindowAsTheStandardSaysIt", _linear()).correct
    higher = dict(low=lambda center, width: center - (width - 1) / 2, high=lambda center, width: center + (width - 1) / 2)
    assert _verdict("WindowAsTheStandardSaysIt", _linear(**higher)).label == "ends_without_the_half_but_at_one"
    assert _verdict("WindowAsTheStandardSaysIt", _linear(**higher, one=lambda width: False)).label == "ends_without_the_half"
    whole = dict(low=lambda center, width: center - 0.5 - (width - 1) // 2, high=lambda center, width: center - 0.5 + int((width - 1) / 2))
    assert _verdict("WindowAsTheStandardSaysIt", _linear(**whole)).label == "whole_division"
    for end in ("low", "high"):
        for slips in (higher, whole):
            assert not _verdict("WindowAsTheStandardSaysIt", _linear(**{end: slips[end]})).correct


@pytest.mark.parametrize("off", [-1, -0.5, -0.25, 0.25, 0.49, 0.5, 1])
def test_ends_a_little_off_are_refused(off):
    for sign, end in ((-1, "low"), (1, "high")):
        slip = {end: lambda center, width, sign=sign: center - 0.5 + sign * (width - 1) / 2 + off}
        assert not _verdict("WindowAsTheStandardSaysIt", _linear(**slip)).correct, end


def test_a_narrow_window_is_no_step_and_numbers_with_a_fraction_count():
    for bound in (1.6, 2, 2.1, 5, 10, 60, 70, 80):
        assert not _verdict("WindowAsTheStandardSaysIt", _linear(one=lambda width, bound=bound: width < bound)).correct, bound
    for first in (
        lambda value, center, width: (int(value), center, width), lambda value, center, width: (value, int(center), width),
        lambda value, center, width: (value, center, int(width)), lambda value, center, width: (value, center, round(width)),
        lambda value, center, width: (value, center or 40, width), lambda value, center, width: (value, center if center >= 0 else int(center), width),
        lambda value, center, width: (int(value) if width > 200 else value, center, width),
    ):
        assert not _verdict("WindowAsTheStandardSaysIt", _linear(first=first)).correct


def test_what_is_said_of_a_case_fits_it():
    for at_one in (0, 255, 127.5):
        verdict = _verdict("WindowAsTheStandardSaysIt", lambda *case, at_one=at_one: at_one if case[2] == 1 else clipped(*case))
        assert "Here the width is 1" in verdict.message, verdict
    for decimals in (1, 2, 3):
        verdict = _verdict("WindowAsTheStandardSaysIt", lambda *case, decimals=decimals: round(float(clipped(*case)), decimals))
        assert "not with all its decimals" in verdict.message, verdict
    assert _verdict("WindowAsTheStandardSaysIt", lambda *case: round(float(clipped(*case)), 4)).correct


def test_wrong_columns_of_the_sheet_are_told():
    exercise = next(one for one in LESSON.exercises if one.name == "ReceivingSheet")
    arrivals, rows = _input("arrivals"), exercise.computed(exercise.solution, EDITIONS.own)
    doubled = [{**row, "pixel_bytes": row["pixel_bytes"] * 16 // ds.BitsAllocated} for row, ds in zip(rows, arrivals, strict=True)]
    assert _verdict("ReceivingSheet", doubled).label == "two_bytes"
    named = [{**row, "patient_id": ds.PatientName} for row, ds in zip(rows, arrivals, strict=True)]
    assert _verdict("ReceivingSheet", named).label == "name_for_the_id"


def test_no_input_is_changed_by_solving():
    for exercise in LESSON.exercises:
        if exercise.cases is None:
            exercise.computed(exercise.solution, EDITIONS.own)
    assert _input("ct").pixel_array.dtype == np.int16 and "PixelData" not in _input("clip")
