"""cpas-01: a ticket from the emergency department, solved by reading headers and following pixels to the screen."""

import datetime
import itertools
import re

import numpy as np
import pydicom
from pydicom.data import get_testdata_file

from coursekit.checking import Choice, Function, Lesson, Number, Set, Table, Text
from coursekit.checking.reading import Unclear
from coursekit.hospital import images
from coursekit.standards.dicom import tag

lesson = Lesson(
    "cpas-01",
    title="Reading DICOM headers and pixel data",
    version=1,
    minutes=100,
    objectives=[
        "read a header: tags, value representations, dates that mislead, private elements, the transfer syntax",
        "compute what an image takes on disk, and what grey a stored value gets on the screen",
        "tell from the header whether the images or the workstation are to blame",
    ],
    covers=["image and data representation"],
    needs=["start"],
)


@lesson.input
def ct(hospital):
    """One slice of this morning's head CT, as CTER01 sent it."""
    return images.image("ct_head", hospital.seed)


@lesson.input
def ct_copy(hospital):
    """The same slice: the file that the router keeps of what it passed on to the new workstation."""
    return images.image("ct_head_rle", hospital.seed)


@lesson.input
def chest(hospital):
    """The chest radiograph of the ticket."""
    return images.image("cr_chest_pa", hospital.seed)


@lesson.input
def clip(hospital):
    """The header of an ultrasound clip that has not arrived yet."""
    ds = images.image("us_ob_cine", hospital.seed)
    del ds.PixelData
    return ds


@lesson.input
def old_ct(hospital):
    """A real CT slice of 1997, which comes with pydicom."""
    return pydicom.dcmread(get_testdata_file("CT_small.dcm"))


@lesson.input
def arrivals(hospital):
    """Five objects that the new workstation has to show."""
    mr = pydicom.dcmread(get_testdata_file("MR_small.dcm"))
    cine = images.image("us_ob_cine", hospital.seed)
    return [ct_copy(hospital), chest(hospital), cine, old_ct(hospital), mr]


@lesson.input
def clot(hospital):
    """The rectangle that the radiologist drew: first row, row after the last, first column, column after the last.

    It lies within the named region, as large as it can be while each likely slip, a row or column more, less or elsewhere, and the median
    have a mean that even to one decimal is not the right one.
    """
    stored = ct(hospital).pixel_array.astype(float)
    top, bottom, left, right = images.regions("ct_head", hospital.seed)["clot"]
    sums = np.zeros([size + 1 for size in stored.shape])
    sums[1:, 1:] = stored.cumsum(0).cumsum(1)

    def means(boxes):
        first, after, left, right = boxes.T
        whole = sums[after, right] - sums[first, right] - sums[after, left] + sums[first, left]
        return whole / ((after - first) * (right - left))

    boxes = np.array([
        (first, after, start, end)
        for first, start in itertools.product(range(top, bottom - 9), range(left, right - 3))
        for after, end in itertools.product(range(first + 10, min(bottom, first + 30) + 1), range(start + 4, min(right, start + 8) + 1))
    ])
    mean, slips = means(boxes), np.array([means(boxes + slip) for slip in _SLIPS])
    apart = np.minimum(abs(slips - mean), abs(slips.round(1) - mean)).min(0)
    for one, other in itertools.combinations(slips[:_WITH_A_MESSAGE], 2):
        apart = np.minimum(apart, abs(one - other))
    sizes = (boxes[:, 1] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 2])
    for place in np.argsort(-sizes, kind="stable"):
        first, after, start, end = map(int, boxes[place])
        if apart[place] > 0.07:
            median = np.median(stored[first:after, start:end])
            if abs([mean[place], *slips[:_WITH_A_MESSAGE, place]] - median).min() > 0.11:
                return first, after, start, end
    raise ValueError("no rectangle in the clot tells the slips apart")


_WITH_A_MESSAGE = 6                                     # of the slips below, those that are told what they are
_SLIPS = np.array([                                     # what is added to first, after, left and right
    (0, 1, 0, 1), (0, -1, 0, -1), (0, 1, 0, 0), (0, -1, 0, 0), (0, 0, 0, 1), (0, 0, 0, -1),
    (1, 0, 0, 0), (-1, 0, 0, 0), (0, 0, 1, 0), (0, 0, -1, 0), (1, 1, 0, 0), (-1, -1, 0, 0), (0, 0, 1, 1), (0, 0, -1, -1),
    (1, 1, 1, 1), (-1, -1, -1, -1), (1, 0, 1, 0), (-1, 0, -1, 0), (1, -1, 1, -1), (-1, 1, -1, 1),
])


@lesson.input
def snow(hospital):
    """What a viewer draws that takes compressed bytes for pixels."""
    copy = ct_copy(hospital)
    pixels = np.frombuffer(copy.PixelData, "<i2")
    canvas = np.zeros(copy.Rows * copy.Columns, np.int16)
    canvas[: len(pixels)] = pixels[: len(canvas)]
    return canvas.reshape(copy.Rows, copy.Columns)


@lesson.input
def spot(hospital):
    """A pixel of the chest, (row, column), at which every way of going wrong gives a grey of its own.

    Its grey is a good deal more than a whole number, so that rounding and cutting off differ.
    """
    image = chest(hospital)
    near = (GreyOnTheScreen.from_256, GreyOnTheScreen.from_254, GreyOnTheScreen.up_to_the_highest)
    ways = [GreyOnTheScreen.solution, *(way for way in GreyOnTheScreen.wrong_ways if way not in near)]
    for row in range(image.Columns // 3, image.Columns - 60, 7):
        for column in range(80, image.Columns - 80, 5):
            greys = sorted(way(image, (row, column)) for way in ways)
            fraction = GreyOnTheScreen.solution(image, (row, column)) % 1
            if min(b - a for a, b in zip(greys, greys[1:], strict=False)) > 6 and 0.6 < fraction < 0.9:
                return row, column
    raise ValueError("no pixel of the chest tells the ways apart")


# --- the header


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_EDGES = r"(?<![\w.\-/]){}(?![\w\-/]|\.\d)"
_DAYS = (  # ways to write a day, with names for its parts
    r"(?P<year>\d{4})[-./ ]?(?P<month>\d\d)[-./ ]?(?P<day>\d\d)(?:\d{6})?",
    r"(?P<year>\d{4})[-./ ](?P<month>\d{1,2})[-./ ](?P<day>\d{1,2})",
    r"(?P<day>\d{1,2})[-./ ](?P<month>\d{1,2})[-./ ](?P<year>\d{4})",
    r"(?P<day>\d{1,2})(?:st|nd|rd|th)?[-. ]*(?:of )?(?P<name>[a-z]{3})[a-z]*[-., ]*(?P<year>\d{4})",
    r"(?P<name>[a-z]{3})[a-z]*[. ]+(?P<day>\d{1,2})(?:st|nd|rd|th)?[, ]+(?P<year>\d{4})",
    r"(?P<year>\d{4})[-., ]+(?P<name>[a-z]{3})[a-z]*[-. ]+(?P<day>\d{1,2})(?:st|nd|rd|th)?",
)


def _day(written):
    """A day as DICOM writes it, YYYYMMDD, from any usual way to write one, with or without a time or a label; else the text.

    Raises ValueError with a sentence when it is nearly an answer: an element's name, a weekday, a year of two digits.
    """
    text = " ".join(str(written).replace("\0", " ").split()).strip("'\" ").lower()
    text = re.sub(r"t(?=\d\d:)", " ", text)
    found = {}
    for pattern in _DAYS:
        for match in re.finditer(_EDGES.format(pattern), text):
            parts = match.groupdict()
            if "name" not in parts or parts["name"] in _MONTHS:
                found.setdefault(match.start(), parts)
    if len(found) > 1:
        raise ValueError("one day is asked, and here are several")
    if found:
        ((place, parts),) = found.items()
        _refuse_another_element(text[:place])
        return _from_calendar(parts)
    if re.fullmatch(r"\d\d(0\d|1[0-2])([0-2]\d|3[01])", text):
        raise ValueError("a year of two digits may be of any century; write all four")
    if re.fullmatch(r"(19|20)\d\d(0\d|1[0-2])", text):
        raise ValueError("a day is asked, with its month and year")
    if re.fullmatch(r"\d{1,2}[-./ ](\d{1,2}|[a-z]{3,9})[-./ ]'?\d\d", text):
        raise ValueError("a year of two digits may be of any century; write all four")
    if re.fullmatch(r"\d{4}([-./]\d\d)?|[a-z]{3,9}[., ]+\d{4}", text):
        raise ValueError("a day is asked, with its month and year")
    if re.fullmatch(r"(mon|tue|wed|thu|fri|sat|sun)[a-z]*", text):
        raise ValueError("that is a day of the week; asked is the date, with month and year")
    if re.fullmatch(r"\d{1,2}(st|nd|rd|th)?[-./ ]*(of )?([a-z]{3,9}|\d{1,2})\.?|[a-z]{3,9}\.? \d{1,2}(st|nd|rd|th)?", text):
        raise ValueError("the year belongs to it too, with four digits")
    day_and_year = all(re.search(rf"(?<!\d)\d{{{digits}}}(?!\d)", text) for digits in ("1,2", "4"))
    if day_and_year and re.search(r"[^\W\d_]{3,}", text) and "(" not in text:
        raise ValueError("write the month as a number, or by its English name")
    if re.search(r"[a-z(,]", text):
        _refuse_a_name(text)
    return text


def _from_calendar(parts):
    year, day = int(parts["year"]), int(parts["day"])
    month = _MONTHS.index(parts["name"]) + 1 if "name" in parts else int(parts["month"])
    if month > 12 >= day and "name" not in parts:
        day, month = month, day
    try:
        return datetime.date(year, month, day).strftime("%Y%m%d")
    except ValueError:
        raise ValueError("read as year, month and day, four, two and two digits, the calendar has no such day") from None


def _refuse_another_element(before):
    """Raise ValueError when what stands before a day is the tag or name of an element that holds another day."""
    try:
        named = tag(before.strip(" :=,"))
    except ValueError:
        return
    if named in (tag("StudyDate"), tag("InstanceCreationDate")):
        raise ValueError("the element that you name holds another day in this file; give the day alone")


def _refuse_a_name(text):
    """Raise ValueError when the text is an element's name or tag, where its value is asked."""
    try:
        named = tag(text)
    except ValueError:
        return
    if named == tag("AcquisitionDate"):
        raise ValueError("that is the right element; now give the value that it holds in this file")
    raise ValueError("that names an element; asked is a day, the value that an element holds")


def _tag_besides(values, not_beside=()):
    """A reading like `tag`, that says of some texts what they are instead: a dict from the text to a sentence.

    Such a text may stand behind the tag too, unless it is one of `not_beside`, which the element does not hold.
    """

    def read(written):
        text = " ".join(str(written).split()).strip("'\"[]. ").casefold()
        if text in values:
            raise ValueError(values[text])
        if re.fullmatch(r"-?\d{1,5}(\.\d+)?", text) and int(float(text)) < 0x10000:
            raise ValueError("that is a number, such as an element holds as its value; asked is the element's tag")
        if re.fullmatch(r"[(\[]?[0-9a-f]{4}, ?xx[0-9a-f]{2}[)\]]?.*", text):
            raise ValueError("so the manufacturer's documents write it, for any file; asked is the tag as it stands in this one, with the "
                             "creator's block in place of xx")
        parts = re.fullmatch(rf"(.*\S)\s*[=:]?\s*['\"]?({'|'.join(map(re.escape, values))})", text)     # "(0028,0004) = MONOCHROME1"
        if parts and parts[2] in not_beside:
            raise ValueError("what you wrote beside the tag is not what the element holds in this file; look again, and give the tag alone")
        try:
            return tag(written)
        except ValueError:
            if not parts:
                raise
            return tag(parts[1])

    return read


def _says_nothing_of(what):
    """A remark on a wrong tag: which element it is, and that it does not say `what`."""

    def remark(given, _):
        name = pydicom.datadict.dictionary_description(int(given[1:5] + given[6:10], 16)) if (
            pydicom.datadict.dictionary_has_tag(int(given[1:5] + given[6:10], 16))) else "another element"
        return f"That is {name}, which does not say {what}."

    return remark


def _tag_in_a_list(written):
    """As `tag`; where several stand in one place of a list, that is told."""
    try:
        return tag(written)
    except ValueError as problem:
        if "here are several" in str(problem):
            raise ValueError("several tags stand in one place of the list; take one pair of brackets, and quotes for each tag") from None
        raise


@lesson.exercise
class DayOfTheScan:
    """On which **day** was the patient of `old_ct` scanned? Give the day **in quotes**, as the header
    writes it (YYYYMMDD) or as you usually write a date."""

    answer = Text("scan_day", reading=_day)
    points = 1
    praise = "Acquisition Date is the day the data were acquired; Study Date was rewritten seven years later."

    def solution(old_ct):
        return old_ct.AcquisitionDate

    def study_date(old_ct):
        return old_ct.StudyDate

    def private_clock(old_ct):
        return old_ct[0x0009, 0x1027].value

    def time_of_day(old_ct):
        return old_ct.AcquisitionTime

    def from_the_uid(old_ct):
        return old_ct.StudyInstanceUID

    wrong_ways = {
        study_date: "That is Study Date, and Instance Creation Date says the same: the day this copy was made and its study "
        "was renumbered. Nobody was on the table that day. Which date belongs to the acquisition (PS3.3 C.7.10.1)?",
        private_clock: "That is a private element of the manufacturer, seconds counted since 1970. It tells the same story, "
        "but it is no date that another system can read. The standard has an attribute for it.",
        time_of_day: "That is a time of day (VR TM, HHMMSS). The day stands in an attribute of its own (VR DA, YYYYMMDD).",
        from_the_uid: "Digits in a UID may look like a date, and here they do; but a UID only identifies. No meaning may be "
        "read out of it (PS3.5 section 9).",
    }
    hints = [
        "Print group 0008 and look at every element with the VR DA. There are more than one, and they disagree.",
        "Study Date is often rewritten when a study is copied, imported or renumbered. Which date comes from the scanner's own "
        "work at the patient?",
        "Compare Study Date, Series Date, Acquisition Date and Content Date. Three of them agree. Take the one whose name says "
        "that data were acquired.",
    ]


@lesson.exercise
class NumbersInWords:
    """Which elements of **group 0028** of `ct` hold a number that is **stored as text** (the value representations DS and IS)?
    Give a list of their tags **in quotes**, in any order: `["(0010,0010)", "(0010,0020)"]` would be two."""

    answer = Set("text_numbers", reading=_tag_in_a_list)
    points = 2
    praise = "All of these are decimal strings: a device that writes `40,0`, or compares `40` with `40.0` as text, gets them wrong."

    def solution(ct):
        found = []
        for element in ct:
            if element.tag.group == 0x0028 and element.VR in ("DS", "IS"):
                found.append(element.tag)
        return found

    def binary_numbers(ct):
        return [element.tag for element in ct if element.tag.group == 0x0028 and element.VR in ("US", "SS")]

    def all_text(ct):
        return [element.tag for element in ct if element.tag.group == 0x0028 and element.VR not in ("US", "SS")]

    def code_words_too(ct):
        return [element.tag for element in ct if element.tag.group == 0x0028 and element.VR in ("DS", "IS", "CS")]

    def descriptions_too(ct):
        return [element.tag for element in ct if element.tag.group == 0x0028 and element.VR in ("DS", "IS", "LO")]

    def single_values(ct):
        return [element.tag for element in ct if element.tag.group == 0x0028 and element.VR in ("DS", "IS") and element.VM == 1]

    def whole_header(ct):
        return [element.tag for element in ct if element.VR in ("DS", "IS")]

    wrong_ways = {
        binary_numbers: "These are the binary numbers, US (unsigned short) and SS (signed short), two bytes each. Asked are "
        "the others: numbers written out in characters.",
        all_text: "All of these are text, but not all of them are numbers: CS is a code word and LO a short description "
        "(PS3.5 section 6.2).",
        code_words_too: "One too many: CS is a code word, text that is no number (PS3.5 section 6.2).",
        descriptions_too: "One too many: LO is a short description, text that is no number (PS3.5 section 6.2).",
        single_values: "One is missing. A DS may hold several numbers with a backslash between them, and one element here does.",
        whole_header: "These are the decimal and integer strings of the whole header. Asked is group 0028 alone, the one that "
        "describes the pixels.",
    }
    hints = [
        "Print group 0028 of `ct`. The two letters before the colon are the value representation.",
        "DS is a decimal string, IS an integer string. US and SS are binary and do not count.",
        "Copy the tags of the lines with DS or IS into a list, in quotes: `text_numbers = ['(0028,....)', ...]`. "
        "Two of them place a window, two rescale, and one has to do with millimetres.",
    ]


@lesson.exercise
class HiddenWidth:
    """`old_ct` has no Window Width. Its console kept the width in a **private** element instead. Which one? Give its
    **tag in quotes**, such as `"(0010,0010)"`."""

    answer = Text(
        "hidden_width",
        reading=_tag_besides(
            {
                "400": "that is the value, the width itself; asked is the tag of the element that holds it",
                "window value": "that is a name which pydicom happens to know; asked is the tag that stands before it",
            }
        ),
    )
    points = 2
    praise = (
        "Only a program that knows this manufacturer's private dictionary can use it; any other opens the slice without a window."
    )

    def solution(old_ct):
        for element in old_ct:
            if element.name == "[Window value]":
                found = element.tag
        return found

    def the_standard_one(old_ct):
        return "WindowWidth"

    def the_level(old_ct):
        return next(element.tag for element in old_ct if element.name == "[Level value]")

    def the_creator(old_ct):
        return next(element.tag for element in old_ct if element.value == "GEMS_PARM_01")

    def the_contrast(old_ct):
        return next(element.tag for element in old_ct if element.name == "[Series contrast]")

    wrong_ways = {
        the_standard_one: "That is where the standard puts Window Width, and where any viewer looks. In this file it is "
        "absent: `'WindowWidth' in old_ct` is False. A private element has an odd group.",
        the_level: "That element holds the level, which the standard calls Window Center. The width is its neighbour.",
        the_creator: "That is the private creator: it names the manufacturer's block that the elements of this group belong to "
        "(PS3.5 section 7.8.1). The width is one of the elements in the block.",
        the_contrast: "That says how contrast medium was used in the series. Contrast of the display is something else.",
    }
    hints = [
        "Print the whole header in a cell of your own, `print(old_ct)`, and search the page. Names in square brackets are "
        "private elements that pydicom happens to know.",
        "For soft tissue a width of a few hundred is usual. The manufacturer does not say 'width', but the word "
        "'window' is in the name.",
        "Look through the last odd group before the pixel data, the one of the creator GEMS_PARM_01.",
    ]


@lesson.exercise
class HowItIsEncoded:
    """How is the pixel data of the file `ct_copy` encoded? Give the **letter in quotes**, and as `proof` the **tag in quotes**
    of the element of the file that says so."""

    answer = Choice(
        "encoding, proof",
        options={
            "A": "Uncompressed, Explicit VR Little Endian",
            "B": "Uncompressed, Implicit VR Little Endian",
            "C": "Compressed without loss, RLE Lossless",
            "D": "Compressed with loss, JPEG Baseline",
        },
        evidence=Text(
            "proof",
            reading=_tag_besides({
                word: "that is the value that an element holds; asked is the element's tag"
                for word in ("rle lossless", "1.2.840.10008.1.2.5")
            }),
            remark=_says_nothing_of("how the pixel data is encoded"),
        ),
    )
    points = 2
    praise = "In a file the file meta information decides. Whoever reads the pixels without looking there draws snow."

    def solution(ct_copy):
        name = ct_copy.file_meta.TransferSyntaxUID.name
        letter = "D"
        if name == "Explicit VR Little Endian":
            letter = "A"
        if name == "Implicit VR Little Endian":
            letter = "B"
        if name == "RLE Lossless":
            letter = "C"
        return letter, "(0002,0010)"

    def believes_the_comment(ct_copy):
        return "A", "ImageComments"

    def comment_as_proof(ct_copy):
        return "C", "ImageComments"

    def the_default(ct_copy):
        return "B", "TransferSyntaxUID"

    def any_compression(ct_copy):
        return "D", "LossyImageCompression"

    def by_the_size(ct_copy):
        return "C", "PixelData"

    def by_the_class(ct_copy):
        return "C", "SOPClassUID"

    def by_the_kind_of_object(ct_copy):
        return "C", "MediaStorageSOPClassUID"

    def by_the_loss(ct_copy):
        return "C", "LossyImageCompression"

    def by_the_ratio(ct_copy):
        return "C", "LossyImageCompressionRatio"

    def by_the_bits(ct_copy):
        return "C", "BitsAllocated"

    wrong_ways = {
        believes_the_comment: "Uncompressed, it would take as many bytes as the direct copy; it takes about half. Image Comments "
        "claims it, but that is free text, true when the scanner wrote it: nobody rewrites it when a router compresses. Which "
        "element belongs to the encoding itself, and what does it say?",
        comment_as_proof: "Right choice. But Image Comments says the opposite, and it is free text: it proves neither. Another "
        "element names the encoding.",
        the_default: "Implicit VR Little Endian is the default on the network, which every device must understand (PS3.5 section 10.1). "
        "That says nothing of this file, which says for itself what it holds.",
        any_compression: "It is compressed, but nothing was lost: an object that has been compressed with loss carries "
        "Lossy Image Compression with the value 01 (PS3.3 C.7.6.1.1.5), and this one does not.",
        by_the_size: "Right, and the length made you suspicious. But a length does not name the method. One element does, "
        "ahead of the data set.",
        by_the_class: "Right choice. But the SOP Class says what kind of object it is, a CT image, and that is the same "
        "compressed or not. Another UID names the encoding.",
        by_the_kind_of_object: "Right choice, and you looked in the file meta information. But Media Storage SOP Class UID says what "
        "kind of object the file holds, a CT image. Its neighbour says how it is written.",
        by_the_loss: "Right choice. But Lossy Image Compression tells only of compression with loss (PS3.3 C.7.6.1.1.5), and is absent "
        "here: that names no encoding.",
        by_the_ratio: "Right choice. But Lossy Image Compression Ratio belongs to compression with loss (PS3.3 C.7.6.1.1.5), and is "
        "absent here.",
        by_the_bits: "Right choice. But Bits Allocated describes a sample once it is decoded; it is the same before and after "
        "compression.",
    }
    hints = [
        "The encoding of a file is written where it can be read before anything else is understood.",
        "Print `ct_copy.file_meta`: the file meta information, group 0002, always Explicit VR Little Endian itself (PS3.10 "
        "section 7.1).",
        "One of its elements is called Transfer Syntax UID. In the printed list pydicom shows the UID's name; alone, "
        "`ct_copy.file_meta.TransferSyntaxUID` shows the digits, and with `.name` after it the name.",
    ]


# --- bytes


@lesson.exercise
class BytesOfTheClip:
    """How many **bytes**, exactly, will the pixel data of `clip` take in the archive, uncompressed? Pixel data alone,
    without the header."""

    answer = Number("clip_bytes", unit="bytes")
    points = 1
    praise = "A clip of about a second weighs as much as about ten CT slices of 512 x 512. Storage is planned with this product."

    def solution(clip):
        samples = clip.Rows * clip.Columns * clip.SamplesPerPixel * clip.NumberOfFrames
        return samples * clip.BitsAllocated // 8

    def one_frame(clip):
        return clip.Rows * clip.Columns * clip.SamplesPerPixel * clip.BitsAllocated // 8

    def one_sample(clip):
        return clip.Rows * clip.Columns * clip.NumberOfFrames * clip.BitsAllocated // 8

    def in_bits(clip):
        return clip.Rows * clip.Columns * clip.SamplesPerPixel * clip.NumberOfFrames * clip.BitsAllocated

    def two_bytes(clip):
        return clip.Rows * clip.Columns * clip.SamplesPerPixel * clip.NumberOfFrames * 2

    def one_sample_of_one_frame(clip):
        return clip.Rows * clip.Columns * clip.BitsAllocated // 8

    wrong_ways = {
        one_frame: "That is what one frame takes: three samples a pixel, one byte each. Number of Frames, which says how many "
        "frames there are, is a factor of its own and no number of bits.",
        one_sample: "That is one colour of all frames. An RGB pixel has a red, a green and a blue sample: Samples per Pixel counts them.",
        in_bits: "That is the size in bits. A byte has eight.",
        two_bytes: "You gave each sample two bytes, as in a CT. Here Bits Allocated says otherwise.",
        one_sample_of_one_frame: "That is one colour of one frame. Samples per Pixel and Number of Frames multiply it.",
    }
    hints = [
        "Print group 0028 of `clip`: five of its numbers matter.",
        "How many pixels has a frame, how many samples a pixel, how many frames the clip?",
        "Rows x Columns x Samples per Pixel x Number of Frames samples, each of Bits Allocated / 8 bytes.",
    ]


# --- from stored value to Hounsfield units


@lesson.exercise
class IsItBlood:
    """The radiologist has drawn a rectangle in the bright crescent: `clot`. What is the **mean CT number** of its pixels, in
    **HU**, to one decimal?"""

    answer = Number("clot_hu", unit="HU", tolerance=0.06, named=("HU",))
    points = 2
    praise = "Fresh clotted blood lies at about 50 to 80 HU, brain at 25 to 40: this is an acute haematoma."

    def solution(ct, clot):
        first, after, left, right = clot
        box = ct.pixel_array[first:after, left:right]
        return box.mean() * ct.RescaleSlope + ct.RescaleIntercept

    def stored_values(ct, clot):
        top, bottom, left, right = clot
        return ct.pixel_array[top:bottom, left:right].mean()

    def intercept_subtracted(ct, clot):
        top, bottom, left, right = clot
        return ct.pixel_array[top:bottom, left:right].mean() * ct.RescaleSlope - ct.RescaleIntercept

    def rows_and_columns_swapped(ct, clot):
        top, bottom, left, right = clot
        return ct.pixel_array[left:right, top:bottom].mean() * ct.RescaleSlope + ct.RescaleIntercept

    def whole_slice(ct, clot):
        return ct.pixel_array.mean() * ct.RescaleSlope + ct.RescaleIntercept

    def one_too_many(ct, clot):
        top, bottom, left, right = clot
        return ct.pixel_array[top : bottom + 1, left : right + 1].mean() * ct.RescaleSlope + ct.RescaleIntercept

    def one_too_few(ct, clot):
        top, bottom, left, right = clot
        return ct.pixel_array[top : bottom - 1, left : right - 1].mean() * ct.RescaleSlope + ct.RescaleIntercept

    def row_too_many(ct, clot):
        top, bottom, left, right = clot
        return ct.pixel_array[top : bottom + 1, left:right].mean() * ct.RescaleSlope + ct.RescaleIntercept

    def row_too_few(ct, clot):
        top, bottom, left, right = clot
        return ct.pixel_array[top : bottom - 1, left:right].mean() * ct.RescaleSlope + ct.RescaleIntercept

    def column_too_many(ct, clot):
        top, bottom, left, right = clot
        return ct.pixel_array[top:bottom, left : right + 1].mean() * ct.RescaleSlope + ct.RescaleIntercept

    def column_too_few(ct, clot):
        top, bottom, left, right = clot
        return ct.pixel_array[top:bottom, left : right - 1].mean() * ct.RescaleSlope + ct.RescaleIntercept

    def median(ct, clot):
        top, bottom, left, right = clot
        return np.median(ct.pixel_array[top:bottom, left:right]) * ct.RescaleSlope + ct.RescaleIntercept

    wrong_ways = {
        stored_values: "That is the mean of the stored values. They become Hounsfield units by the modality LUT: slope and "
        "intercept of the header (PS3.3 C.11.1).",
        intercept_subtracted: "You took the intercept away. It is negative already; the standard adds it: units = slope x "
        "stored value + intercept.",
        rows_and_columns_swapped: "Your rectangle lies elsewhere in the head: in `pixel_array[...]` the rows come first, "
        "then the columns.",
        whole_slice: "That is the mean of the whole slice, air and padding included. Cut the rectangle out first.",
        one_too_many: "Your rectangle has a row and a column too many. The second and the fourth number of `clot` are where it "
        "stops already: Python's `first:after` leaves `after` out, so nothing is to be added.",
        one_too_few: "Your rectangle lacks its last row and its last column. Python's `first:after` leaves `after` out by itself, "
        "so nothing is to be taken away.",
        row_too_many: "Your rectangle has a row too many. The second number of `clot` is where it stops already: `first:after` leaves "
        "`after` out.",
        row_too_few: "Your rectangle lacks its last row. `first:after` leaves `after` out by itself, so nothing is to be taken away.",
        column_too_many: "Your rectangle has a column too many. The fourth number of `clot` is where it stops already: `left:right` leaves "
        "`right` out.",
        column_too_few: "Your rectangle lacks its last column. `left:right` leaves `right` out by itself, so nothing is to be taken away.",
        median: "That is the median, the value in the middle, or the mean cut off. Asked is the mean, to one decimal.",
    }
    hints = [
        "Take the rectangle out of `ct.pixel_array` first, then the mean, then the step from stored value to Hounsfield units.",
        "A rectangle of an array is `array[rows, columns]`, each as `from:up_to_but_without`, as in the cell above.",
        "`box = stored[first:after, left:right]` with the four numbers of `clot`; its mean is `box.mean()`. What remains is Rescale "
        "Slope and Rescale Intercept.",
    ]


@lesson.exercise
class MeanWithoutPadding:
    """What is the mean CT number, in **HU** to one decimal, of all pixels of `ct` that are **not padding**?"""

    answer = Number("mean_hu", unit="HU", tolerance=0.06, named=("HU",))
    points = 2
    praise = (
        "Padding out first, then everything else: the mean, the histogram, a window that a program sets by itself. Left in, the "
        "corners alone move this mean by hundreds of HU."
    )

    def solution(ct):
        stored = ct.pixel_array
        inside = stored[stored != ct.PixelPaddingValue]
        return inside.mean() * ct.RescaleSlope + ct.RescaleIntercept

    def padding_included(ct):
        return ct.pixel_array.mean() * ct.RescaleSlope + ct.RescaleIntercept

    def stored_values(ct):
        return ct.pixel_array[ct.pixel_array != ct.PixelPaddingValue].mean()

    def padding_as_zero(ct):
        hu = ct.pixel_array * ct.RescaleSlope + ct.RescaleIntercept
        return np.where(ct.pixel_array == ct.PixelPaddingValue, 0, hu).mean()

    def padding_as_stored_zero(ct):
        return np.where(ct.pixel_array == ct.PixelPaddingValue, 0, ct.pixel_array).mean() * ct.RescaleSlope + ct.RescaleIntercept

    def stored_values_with_padding(ct):
        return ct.pixel_array.mean()

    def above_air(ct):
        hu = ct.pixel_array * ct.RescaleSlope + ct.RescaleIntercept
        return hu[hu > -1000].mean()

    def padding_as_air(ct):
        hu = ct.pixel_array * ct.RescaleSlope + ct.RescaleIntercept
        air = -1000 if ct.RescaleIntercept != -1000 else -1024      # the intercept itself is what a stored value of 0 comes to
        return np.where(ct.pixel_array == ct.PixelPaddingValue, air, hu).mean()

    def without_air(ct):
        hu = ct.pixel_array * ct.RescaleSlope + ct.RescaleIntercept
        return hu[hu > -900].mean()

    wrong_ways = {
        padding_included: "The padding is still in it. Perhaps you compared with Pixel Padding Value after the step to HU: "
        "the padding value is a stored value, before the modality LUT (PS3.3 C.7.5.1.1.2).",
        stored_values: "The padding is out, but these are stored values still. Slope and intercept come after.",
        padding_as_zero: "You set the padding to 0, so it still counts, as if the corners were full of water. Leave those "
        "pixels out altogether.",
        padding_as_stored_zero: "You set the stored value of the padding to 0, so it still counts, and as the intercept's many HU below "
        "water. Leave those pixels out altogether.",
        stored_values_with_padding: "Two things. These are stored values still: slope and intercept come at the end. And the padding "
        "is still in.",
        above_air: "You kept what lies above -1000 HU. Measured air scatters around that number, so about half of it went with the "
        "padding. Ask the stored values for the padding value itself.",
        padding_as_air: "You turned padding into air. It is neither: there was no measurement. Leave those pixels out "
        "altogether.",
        without_air: "You left out the air as well. The air around the head was measured; only the padding was not.",
    }
    hints = [
        "Which pixels are padding? Compare the stored values, not the HU, with Pixel Padding Value.",
        "`stored[stored != number]` is an array of all values that differ from that number.",
        "`inside = ct.pixel_array[ct.pixel_array != ct.PixelPaddingValue]`; then its mean; then slope and intercept.",
    ]


# --- window and screen


def _is_between(value, center, width):
    """Whether a value lies between the ends of the window, where LINEAR neither answers black nor white at once."""
    return center - 0.5 - (width - 1) / 2 < value <= center - 0.5 + (width - 1) / 2


def _grey(value, center, width, largest=255):
    """The VOI LUT function LINEAR to 0..255; between the ends to 0..`largest`."""
    if not _is_between(value, center, width):
        return 255 * (value > center - 0.5)
    return float((value - (center - 0.5)) / (width - 1) + 0.5) * largest


def _which_line(value, center, width):
    """A sentence on a case: where its value lies."""
    if width == 1:
        return "Here the width is 1: both ends are the one value `center - 0.5`. At or below it is black, all above it white."
    low, high = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
    if not low < value <= high:
        where = "exactly on the lower end, which is black" if value == low else "beyond an end"
        return f"Here the ends are {low:g} and {high:g}, and the value lies {where}."
    return f"Here the ends are {low:g} and {high:g}, and the value lies {'exactly on the upper one' if value == high else 'between them'}."


def _without_all_decimals(case, result):
    """A sentence on a grey that is right, but rounded or cut off behind one, two or three decimals; None for others."""
    right = _grey(*case)
    for factor in (10, 100, 1000):
        if any(abs(result[0] - kept / factor) < 1e-9 for kept in (round(right * factor), int(right * factor))):
            return "That is the right grey, but not with all its decimals. Asked is the grey before any rounding."
    return None


@lesson.exercise
class WindowAsTheStandardSaysIt:
    """Write the function `window_grey(value, center, width)` that returns the grey, from **0 to 255** and **not rounded**,
    of one value under the VOI LUT function **LINEAR**. All three are single numbers, and may have a fraction. A width of 1 is legal, and
    must work."""

    # the tolerance is what 32-bit floats leave
    answer = Function("window_grey", result=Number("grey", tolerance=1e-4), about=_which_line, remark=_without_all_decimals)
    points = 3
    praise = (
        "LINEAR to the letter, edges and width 1 included: what the standard asks of a viewer whose header names no other function. Many "
        "programs take the plain c - w/2 to c + w/2 all the same; now you can tell."
    )

    def solution(value, center, width):
        if value <= center - 0.5 - (width - 1) / 2:
            return 0
        if value > center - 0.5 + (width - 1) / 2:
            return 255
        return ((value - (center - 0.5)) / (width - 1) + 0.5) * 255

    def exact(value, center, width):
        return min(max((value - center) / width + 0.5, 0), 1) * 255

    def unclipped(value, center, width):
        if width == 1:
            return 255 * (value > center - 0.5)
        return ((value - (center - 0.5)) / (width - 1) + 0.5) * 255

    def nothing_to_divide_by(value, center, width):
        return min(max(((value - (center - 0.5)) / (width - 1) + 0.5) * 255, 0), 255)

    def unclipped_to_the_letter(value, center, width):
        return ((value - (center - 0.5)) / (width - 1) + 0.5) * 255

    def without_the_half(value, center, width):
        if width == 1:
            return 255 * (value > center)
        return min(max((value - center) / (width - 1) + 0.5, 0), 1) * 255

    def upper_edge_first(value, center, width):
        return 255 if value >= center - 0.5 + (width - 1) / 2 else _grey(value, center, width)

    def grey_on_the_edge(value, center, width):
        return 127.5 if width == 1 and value == center - 0.5 else _grey(value, center, width)

    def ends_without_the_half(value, center, width):
        if value <= center - (width - 1) / 2:
            return 0
        if value > center + (width - 1) / 2:
            return 255
        return ((value - (center - 0.5)) / (width - 1) + 0.5) * 255

    def ends_without_the_half_but_at_one(value, center, width):
        return _grey(value, center, width) if width == 1 else WindowAsTheStandardSaysIt.ends_without_the_half(value, center, width)

    def whole_division(value, center, width):
        if value <= center - 0.5 - (width - 1) // 2:
            return 0
        if value > center - 0.5 + (width - 1) // 2:
            return 255
        return ((value - (center - 0.5)) / (width - 1) + 0.5) * 255

    def by_the_centre(value, center, width):
        return 255 * (value >= center) if width == 1 else _grey(value, center, width)

    def up_to_256(value, center, width):
        return _grey(value, center, width) / 255 * 256

    def times_256_between(value, center, width):
        return _grey(value, center, width, 256)

    def times_256_clipped(value, center, width):
        return min(_grey(value, center, width, 256), 255)

    def up_to_one_between(value, center, width):
        return _grey(value, center, width, 1)

    def centre_and_width_swapped(value, center, width):
        return WindowAsTheStandardSaysIt.solution(value, width, center)

    def up_to_one(value, center, width):
        return _grey(value, center, width) / 255

    def inverted(value, center, width):
        return 255 - _grey(value, center, width)

    def outer_brackets_missing(value, center, width):
        if not _is_between(value, center, width):
            return _grey(value, center, width)
        return (value - (center - 0.5)) / (width - 1) + 0.5 * 255

    def inner_brackets_missing(value, center, width):
        if not _is_between(value, center, width):
            return _grey(value, center, width)
        return ((value - center - 0.5) / (width - 1) + 0.5) * 255

    def ends_without_brackets(value, center, width):
        if value <= center - 0.5 - width - 1 / 2:
            return 0
        if value > center - 0.5 + width - 1 / 2:
            return 255
        return ((value - (center - 0.5)) / (width - 1) + 0.5) * 255

    def lower_end_without_brackets(value, center, width):
        if value <= center - 0.5 - width - 1 / 2:
            return 0
        if value > center - 0.5 + (width - 1) / 2:
            return 255
        return ((value - (center - 0.5)) / (width - 1) + 0.5) * 255

    def rounded(value, center, width):
        return round(_grey(value, center, width))

    def cut_off(value, center, width):
        return int(_grey(value, center, width))

    wrong_ways = {
        exact: "This is centre plus and minus half the width, as in many textbooks. The standard has that too, under the name "
        "LINEAR_EXACT (PS3.3 C.11.2.1.3.2). Where the header names no function, LINEAR holds, with its half and its one "
        "(C.11.2.1.2.1).",
        unclipped: "Inside the window it is right. Outside, your grey runs below black and above white: values beyond the "
        "ends must be clipped.",
        nothing_to_divide_by: "At a width of 1 both ends are one value, and `width - 1` is nothing to divide by. Whatever is at or "
        "below that value is black, all above it white: answer the two ends first, with `<=` and `>` as the standard has them, and divide "
        "only between them.",
        unclipped_to_the_letter: "Two things, with one cure. Values beyond the ends are not clipped: below the window the grey is 0, "
        "above it 255. And at a width of 1 there is nothing between the ends to divide by. Answer the two ends first, then what lies "
        "between.",
        without_the_half: "The width is right, but your window sits half a value too high: the standard takes `center - 0.5` "
        "as the middle.",
        upper_edge_first: "All is right but one place: at width 1 both edges are the same value, `center - 0.5`, and there you answer "
        "white. The standard asks for the lower edge first, with *at or below*: black.",
        grey_on_the_edge: "All is right but one place: at width 1 and exactly at `center - 0.5` you answer a middle grey. The first line "
        "of the standard holds there, *at or below the lower edge*: black.",
        by_the_centre: "Right but for width 1: black goes over to white at `center - 0.5`, not at `center`. Values with a fraction "
        "do occur: stored values are whole numbers, but the slope may have a fraction.",
        ends_without_the_half: "Between the ends it is right. But your ends lie half a value too high: both are reckoned from "
        "`center - 0.5`.",
        ends_without_the_half_but_at_one: "Between the ends and at width 1 it is right. But where the width is larger, your ends lie half "
        "a value too high: both are reckoned from `center - 0.5`.",
        whole_division: "Between the ends it is right. But `//`, or `int`, drops the half of `(width - 1) / 2` where the width is even, so "
        "your ends lie too near the middle. `/` keeps it.",
        up_to_256: "You scaled to 256. There are 256 greys, but the first is 0, so the last is one less.",
        times_256_between: "The ends are right, but between them you multiply by 256. The largest grey is one less.",
        times_256_clipped: "The ends are right, but between them you multiply by 256 before you cut off at 255. The largest grey is 255.",
        up_to_one_between: "The ends are right, but between them your greys run from 0 to 1. Multiply by the largest grey there too.",
        centre_and_width_swapped: "Centre and width have changed places: the function gets the value, then the centre, then the width.",
        up_to_one: "Your greys run from 0 to 1. Asked is 0 to 255.",
        inverted: "Your greys are turned round: high values are to be light here. Polarity is a step of its own, after the window.",
        outer_brackets_missing: "The ends are right. Between them a pair of brackets is missing: `... + 0.5 * 255` multiplies the 0.5 "
        "alone, as multiplication comes before addition.",
        inner_brackets_missing: "The ends are right. Between them a pair of brackets is missing: `value - center - 0.5` takes the half "
        "away, where `value - (center - 0.5)` adds it.",
        ends_without_brackets: "At both ends a pair of brackets is missing: `width - 1 / 2` takes a half off the width, as division comes "
        "before subtraction. The ends are `(width - 1) / 2` from the middle. (What happens at width 1 comes of that, too.)",
        lower_end_without_brackets: "At the lower end a pair of brackets is missing: `width - 1 / 2` takes a half off the width, as "
        "division comes before subtraction. It lies `(width - 1) / 2` below the middle. (What happens at width 1 comes of that, too.)",
        rounded: "These are the right greys, rounded. Asked is the grey before rounding.",
        cut_off: "These are the right greys without their decimals. Asked is the grey before rounding.",
    }
    hints = [
        "Three cases: at or below the lower end, above the upper end, and between. The three lines of the standard stand "
        "above.",
        "Write `low = center - 0.5 - (width - 1) / 2` and `high = center - 0.5 + (width - 1) / 2` first, then two `if`, with `<=` "
        "and `>` as in the standard.",
        "Answer the two ends before you divide: with a width of 1 there is nothing between them. Between the ends it is "
        "`((value - (center - 0.5)) / (width - 1) + 0.5)` times the largest grey.",
    ]

    def cases(draw):
        found = [(draw.randrange(-200, 300), draw.choice([35, 40, 50, 75]), draw.choice([80, 100, 215, 400])) for _ in range(12)]
        found += [(draw.randrange(0, 4096), 2048, 4096), (draw.randrange(-1000, 200), -600, 1500)]
        # On both ends and a little inside and outside; whole, half, negative and zero centres; even, odd, narrow and fractional widths.
        windows = [(40, 80), (-600, 1500), (40.5, 80), (0, 35), (draw.randrange(0, 100), 2 * draw.randrange(10, 200))]
        windows += [(center, 2 * draw.randrange(5, 200) + 1) for center in (draw.randrange(0, 100) + 0.5, draw.randrange(-50, 50))]
        windows += [(draw.randrange(-80, -5) + 0.5, 2 * draw.randrange(20, 39)), (draw.randrange(20, 60), draw.randrange(4, 20) + 0.5)]
        windows += [(draw.randrange(20, 60), width) for width in (1.5, 2, 2.5, 3, draw.randrange(61, 80))]
        for center, width in windows:
            for edge in (center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2):
                for x in (edge + step for step in (-1, -0.5, -0.125, 0, 0.125, 0.5, 1)):
                    found.append((int(x) if x % 1 == 0 else x, center, width))
        threshold = draw.randrange(0, 200)
        for center in (threshold, threshold + 0.5):
            found += [(x, center, 1) for x in (threshold - 1, threshold - 0.5, threshold - 0.25, threshold, threshold + 1)]
        return found


@lesson.exercise
class GreyOnTheScreen:
    """The engineer points at the pixel `spot` (row, column) of `chest`. With the window of the header, which **grey** should it
    have **on the screen**, from 0 (black) to 255 (white)? With decimals, or rounded at the end."""

    answer = Number("screen_grey", tolerance=0.5, named=("grey", "gray"))
    points = 2
    praise = (
        "Window first, then the polarity: that is the order of the standard. (In a window as wide as this one, c - w/2 to c + w/2 gives "
        "practically the same grey; in a narrow one it does not.)"
    )

    def solution(chest, spot):
        value = chest.pixel_array[spot] * chest.RescaleSlope + chest.RescaleIntercept
        grey = ((value - (chest.WindowCenter - 0.5)) / (chest.WindowWidth - 1) + 0.5) * 255
        grey = min(max(grey, 0), 255)
        return 255 - grey

    def not_inverted(chest, spot):
        return _grey(int(chest.pixel_array[spot]), chest.WindowCenter, chest.WindowWidth)

    def inverted_too_early(chest, spot):
        value = 2**chest.BitsStored - 1 - int(chest.pixel_array[spot])
        return _grey(value, chest.WindowCenter, chest.WindowWidth)

    def without_window(chest, spot):
        return 255 - int(chest.pixel_array[spot]) / (2**chest.BitsStored - 1) * 255

    def lowest_to_highest(chest, spot):
        low, high = int(chest.pixel_array.min()), int(chest.pixel_array.max())
        return 255 - (int(chest.pixel_array[spot]) - low) / (high - low) * 255

    def up_to_the_highest(chest, spot):
        return 255 - int(chest.pixel_array[spot]) / int(chest.pixel_array.max()) * 255

    def as_ws_ed1_shows_it(chest, spot):
        low, high = int(chest.pixel_array.min()), int(chest.pixel_array.max())
        return (int(chest.pixel_array[spot]) - low) / (high - low) * 255

    def stored_value(chest, spot):
        return int(chest.pixel_array[spot])

    def from_256(chest, spot):
        return 256 - _grey(int(chest.pixel_array[spot]), chest.WindowCenter, chest.WindowWidth)

    def from_254(chest, spot):
        return 254 - _grey(int(chest.pixel_array[spot]), chest.WindowCenter, chest.WindowWidth)

    def rows_and_columns_swapped(chest, spot):
        return 255 - _grey(int(chest.pixel_array[spot[1], spot[0]]), chest.WindowCenter, chest.WindowWidth)

    wrong_ways = {
        not_inverted: "That is the grey after the window, three steps of four. Is the lowest value to be black or white? The header "
        "says it in a word (PS3.3 C.7.6.3.1.2).",
        stored_value: "That is the stored value, the first of the four steps.",
        inverted_too_early: "You turned the stored value round before windowing. The window is meant for the values as they are; the "
        "polarity comes after it (PS3.3 C.7.6.3.1.2).",
        lowest_to_highest: "You spread the greys from the lowest to the highest stored value, as WS_ED1 does (line 2 of the ticket). "
        "The header has a window; use it.",
        up_to_the_highest: "You spread the greys from 0 to the highest stored value. The header has a window; use it.",
        as_ws_ed1_shows_it: "That is the grey that WS_ED1 shows: spread from the lowest to the highest stored value, and not turned "
        "round. Asked is the grey that it should have.",
        without_window: "You spread the whole range of 12 bits over the greys. The header has a window; use it.",
        rows_and_columns_swapped: "That is another pixel: `spot` is (row, column), and `pixel_array` takes them in that order.",
        from_256: "One grey too light. The exchange is 0 for 255 and 255 for 0, so there is no 256 in it; and decimals are only to "
        "be dropped at the very end, by rounding.",
        from_254: "One grey too dark. The exchange is 0 for 255 and 255 for 0; and decimals are only to be dropped at the very "
        "end, by rounding: `int` cuts them off.",
    }
    hints = [
        "Four steps: stored value, modality LUT (here slope 1, intercept 0), window, polarity.",
        "`chest.pixel_array[spot]` is the stored value, and your `window_grey` does the window with Window Center and Window Width of "
        "the header.",
        "The last step depends on Photometric Interpretation: MONOCHROME1 exchanges black and white, 0 for 255.",
    ]


# --- the job


def _samples(ds):
    return ds.Rows * ds.Columns * ds.SamplesPerPixel * ds.get("NumberOfFrames", 1)


def _bytes(ds):
    return _samples(ds) * ds.BitsAllocated // 8


def _sheet(arrivals, size=_bytes, absent=None, syntax=lambda uid: uid.name):
    """The receiving sheet with the bytes that `size` gives, what `absent` stands for, and the transfer syntax as `syntax` writes it."""
    return [
        {
            "patient_id": ds.PatientID,
            "modality": ds.Modality,
            "transfer_syntax": syntax(ds.file_meta.TransferSyntaxUID),
            "pixel_bytes": size(ds),
            "photometric": ds.PhotometricInterpretation,
            "window_width": ds.get("WindowWidth", absent),
        }
        for ds in arrivals
    ]


def _letters_alone(written):
    """The name of a transfer syntax without blanks, so that its keyword is as good: RLELossless."""
    return re.sub(r"[\s_\-]", "", str(written))


def _in_bytes(written):
    """A size in bytes, from a number or a text with a unit."""
    try:
        return Number(unit="bytes").read(written)[0]
    except Unclear:
        raise ValueError("a number of bytes is asked") from None


def _perhaps_absent(written):
    """A width as it is written; the word or sign for one that is absent as one word."""
    words = ("none", "-", "--", "\u2013", "\u2014", "n/a", "na", "absent", "missing", "null")
    return "absent" if isinstance(written, str) and written.strip().casefold() in words else written


@lesson.exercise
class ReceivingSheet:
    """Fill in the receiving sheet: for each object in `arrivals` one row with

    - `patient_id` and `modality`, as in the header
    - `transfer_syntax`, the **name** of the transfer syntax
    - `pixel_bytes`, the bytes of its pixel data **when uncompressed**, all frames
    - `photometric`, the photometric interpretation
    - `window_width`, from the header; Python's `None`, without quotes, where the header has none

    A list of dictionaries or a DataFrame, in any order."""

    answer = Table("sheet", key=["patient_id"], reading={
        "transfer_syntax": _letters_alone, "pixel_bytes": _in_bytes, "window_width": _perhaps_absent
    })
    points = 3
    praise = "With this sheet you can accept a workstation, size a migration and argue with a vendor."

    def solution(arrivals):
        rows = []
        for ds in arrivals:
            samples = ds.Rows * ds.Columns * ds.SamplesPerPixel * ds.get("NumberOfFrames", 1)
            row = {
                "patient_id": ds.PatientID,
                "modality": ds.Modality,
                "transfer_syntax": ds.file_meta.TransferSyntaxUID.name,
                "pixel_bytes": samples * ds.BitsAllocated // 8,
                "photometric": ds.PhotometricInterpretation,
                "window_width": ds.get("WindowWidth"),
            }
            rows.append(row)
        return rows

    def by_bits_stored(arrivals):
        return _sheet(arrivals, lambda ds: _samples(ds) * ds.BitsStored // 8)

    def two_bytes(arrivals):
        return _sheet(arrivals, lambda ds: _samples(ds) * 2)

    def name_for_the_id(arrivals):
        return [{**row, "patient_id": str(ds.PatientName)} for row, ds in zip(_sheet(arrivals), arrivals, strict=True)]

    def one_frame(arrivals):
        return _sheet(arrivals, lambda ds: _samples(ds) // ds.get("NumberOfFrames", 1) * ds.BitsAllocated // 8)

    def as_it_lies_on_disk(arrivals):
        return _sheet(arrivals, lambda ds: len(ds.PixelData))

    def one_sample(arrivals):
        return _sheet(arrivals, lambda ds: _samples(ds) // ds.SamplesPerPixel * ds.BitsAllocated // 8)

    def in_bits(arrivals):
        return _sheet(arrivals, lambda ds: _samples(ds) * ds.BitsAllocated)

    def absent_is_zero(arrivals):
        return _sheet(arrivals, absent=0)

    def absent_is_empty(arrivals):
        return _sheet(arrivals, absent="")

    def absent_is_a_word(arrivals):
        return _sheet(arrivals, absent="None")

    def digits_for_the_name(arrivals):
        return _sheet(arrivals, syntax=str)

    wrong_ways = {
        by_bits_stored: "In at least one row the bytes are counted by Bits Stored. 12 bits of information occupy 16 in the "
        "file: Bits Allocated counts (PS3.5 section 8.1.1).",
        two_bytes: "You gave each sample two bytes. That is right for all rows but one: ask each object for its Bits Allocated.",
        name_for_the_id: "All is right but `patient_id`: you gave the patients' names. The ID is an element of its own, `PatientID`.",
        one_frame: "All is right but the clip: it has more than one frame. Where Number of Frames is absent there is one, "
        "`ds.get('NumberOfFrames', 1)`.",
        as_it_lies_on_disk: "All is right but the compressed object: you gave the bytes that it takes now. Asked are the "
        "bytes when uncompressed, which the header's numbers tell.",
        one_sample: "All is right but the colour object: each of its pixels has more than one sample.",
        in_bits: "Your sizes are in bits, in every row. Asked are bytes; a byte has eight bits.",
        absent_is_zero: "All is right but the absent widths: absent is `None`, not 0. A width of 0 would be a value, and one that the "
        "standard forbids.",
        absent_is_empty: "All is right but the absent widths: absent is `None`, not an empty text. An element may be there and empty, "
        "which is something else.",
        absent_is_a_word: "All is right but the absent widths: you gave a text, a word or sign in quotes. Python's `None` has "
        "no quotes.",
        digits_for_the_name: "All is right but the transfer syntaxes: you gave the digits of the UID. Its name is asked: put `.name` "
        "after it.",
    }
    hints = [
        "Make the row of one object first, as in the example above but with the six entries that are asked, and look at it. "
        "Then put it into the loop.",
        "The transfer syntax is in the file meta information: `ds.file_meta.TransferSyntaxUID.name`. An element that may be absent is "
        "read with `ds.get('WindowWidth')`, which gives `None` instead of an error; `ds.get('NumberOfFrames', 1)` gives 1.",
        "The loop: `rows = []`, then `for ds in arrivals:` and, indented, `rows.append({'patient_id': ds.PatientID, ...})` "
        "with all six entries; at the end `sheet = rows`.",
    ]


@lesson.exercise
class WhoIsToBlame:
    """The ticket's first line: the chest is a negative on WS_ED1, and right on WS_CH1. Both got the same object, `chest`.
    What is the **fault**, and which element of the header (its **tag**) is the `proof` that you send to the vendor? Both in quotes."""

    answer = Choice(
        "fault, proof",
        options={
            "A": "CR_ER1 sent the pixel values inverted; have it sent again",
            "B": "WS_ED1 shows the lowest value black, though the header asks for white",
            "C": "The window that CR_ER1 wrote into the header is wrong",
            "D": "HV_ROUTER damaged the pixel data when it compressed them",
        },
        evidence=Text(
            "proof",
            reading=_tag_besides(
                {
                    word: "that is what the element holds, its value; asked is the element's tag"
                    for word in ("monochrome1", "monochrome2")
                },
                not_beside=("monochrome2",),
            ),
            remark=_says_nothing_of("which end is black"),
        ),
    )
    points = 2
    praise = "The image is right, the workstation is not, and one line of the header proves it."

    def solution(chest):
        letter = "A"
        if chest.PhotometricInterpretation == "MONOCHROME1":
            letter = "B"
        return letter, "(0028,0004)"

    def sent_inverted(chest):
        return "A", "PixelData"

    def wrong_window(chest):
        return "C", "WindowCenter"

    def damaged(chest):
        return "D", "TransferSyntaxUID"

    def by_the_window(chest):
        return "B", "WindowWidth"

    def by_the_sign(chest):
        return "B", "PixelRepresentation"

    def by_the_lut_shape(chest):
        return "B", "PresentationLUTShape"

    def by_the_rescale_type(chest):
        return "B", "RescaleType"

    def by_the_slope(chest):
        return "B", "RescaleSlope"

    wrong_ways = {
        sent_inverted: "Then every workstation would show the negative, and WS_CH1 shows it right. Lungs with high values "
        "are as they should be here: look at what the header says about the lowest value.",
        wrong_window: "A wrong window makes an image too bright, too dark or too flat. It never exchanges black and white.",
        damaged: "Damaged or undecoded data look like snow, not like a clean negative; and this object is not compressed at all, as "
        "its row of the receiving sheet says.",
        by_the_window: "Right. But the window does not say which end is black. Another element of group 0028 does, in one "
        "word.",
        by_the_sign: "Right. But Pixel Representation says whether stored values are signed. Misread, it gives wrong "
        "values, not a clean negative.",
        by_the_lut_shape: "Right. And Presentation LUT Shape may say so, in objects that have it, such as DX. This one has not. Another "
        "element of group 0028 says which end is black.",
        by_the_rescale_type: "Right. But Rescale Type names the unit of the values (here none in particular). The polarity stands in a "
        "word of its own.",
        by_the_slope: "Right. But the slope here is 1 and turns nothing round. The polarity stands in a word of its own.",
    }
    hints = [
        "What can turn an image into a clean negative, and nothing else? Go through the four steps of the pipeline.",
        "One workstation shows it right from the same bytes. So ask the header which of the two obeys it.",
        "The element is in group 0028, its VR is CS, and you used it for the last step of the grey on the screen.",
    ]
