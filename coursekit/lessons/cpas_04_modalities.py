"""The modalities, how their images look and how they work: the exercises of lesson cpas-04."""

import copy
import math
import re

import numpy as np
from pydicom.uid import UID

from coursekit.checking import Choice, Fields, Function, Kind, Lesson, Number, Pick, Table, Text, running
from coursekit.checking.kinds.base import Difference
from coursekit.checking.kinds.table import Rows
from coursekit.checking.reading import Unclear, Unreadable, describe, is_library, plain
from coursekit.checking.verdict import Outcome, Verdict
from coursekit.figures.modalities import Tile
from coursekit.hospital import images
from coursekit.hospital.draws import Draws
from coursekit.standards.dicom import uid

lesson = Lesson(
    "cpas-04",
    title="The modalities: how their images look and how they work",
    version=1,
    minutes=90,
    objectives=[
        "tell from a picture without labels which modality made it, and which SOP class it is sent as",
        "subtract a mask, measure in an ultrasound image, compute a standardised uptake value, tell what a PET can be laid over",
        "say what each modality sends, how much of it, and where its workflow is peculiar",
    ],
    covers=["workflow and appearance of CT, MR, DR, CR, mammography and tomosynthesis, US, RF, XA, IVUS, IVOCT, NM, PET/CT, PET/MR"],
    needs=["start"],
)

ELSEWHERE = 1000  # what is added to the seed for images that the learner has not seen
STORAGE = "1.2.840.10008.5.1.4.1.1."
PROCESSING, TOMOSYNTHESIS, MULTIFRAME = STORAGE + "1.2.1", STORAGE + "13.1.3", STORAGE + "3.1"
ENCODING = "1.2.840.10008.1.2."
EXPLICIT, IMPLICIT, JPEG_LOSSLESS = ENCODING + "1", "1.2.840.10008.1.2", ENCODING + "4.70"
LETTERS = "ABCDEFGH"

# Of each image of the delivery: modality, SOP class, the shapes that are seen, what a look at them finds (without naming the modality),
# what else is left of its header.
DELIVERY = {
    "ct_head": ("CT", STORAGE + "2", "a section through a head", "a section through a head: a thick white ring, within it grey tissue "
                "and dark chambers", ""),
    "dx_hand": ("DX", STORAGE + "1.1", "a hand", "a hand, its bones light, some of them lying over one another",
                "Presentation Intent Type: FOR PRESENTATION"),
    "rf_swallow": ("RF", STORAGE + "12.2", "a neck from the side", "a neck from the side, jaw and spine, with a dark mass in front of "
                   "the spine that moves down from frame to frame", "Contrast/Bolus Route: ORAL"),
    "mg_lmlo_processing": ("MG", PROCESSING, "a large round shape that begins at an edge of the picture", "one large round shape from "
                           "the edge of the picture, nearly black without any structure, on white", ""),
    "dbt_lmlo": ("MG", TOMOSYNTHESIS, "a large round shape that begins at an edge of the picture", "one large round shape from the edge "
                 "of the picture, soft, with fine strands; from frame to frame other strands are sharp", ""),
    "us_ob_cine": ("US", MULTIFRAME, "a fan and a bar beside it", "a fan with a grainy pattern, light lines and dark holes, and a bar of "
                   "colours beside it", ""),
    "ivus_pullback": ("IVUS", MULTIFRAME, "a disc with rings", "a disc full of grain round a black centre with a bright ring; in the "
                      "disc a dark ring and a dark wedge", ""),
    "ivoct_pullback": ("IVOCT", STORAGE + "14.1", "a disc with rings", "a disc, black at its rim; round the centre a fine bright band "
                       "that fades outwards within a short way, with a sharp dark wedge", ""),
    "nm_bone": ("NM", STORAGE + "20", "a body from head to foot, twice", "a whole skeleton in dots, from the front and from the back, the "
                "kidneys too, with some spots brighter than the rest", ""),
    "pt_torso": ("PT", STORAGE + "128", "a section through a trunk", "a blurred section through a trunk, brightest in the heart, spine and "
                 "ribs faint, with no sharp edge anywhere", "Units: BQML"),
}  # fmt: skip
DIRT = 200  # pixels: the side of the part of the dirty plate that is shown, in which a speck of 12 is seen well
MARKER = 0.14  # the part at the top of a mammogram that bears the marker with the view: it's cut off

CAUSES = {
    "A": "Dust and dirt on the plate.",
    "B": "The plate was not erased well: it still holds the exposure before.",
    "C": "The patient moved between the mask and the run.",
    "D": "Something hard in the body lets no sound through.",
    "E": "The workstation does not turn MONOCHROME1 round.",
    "F": "Two exposures on the same plate: the technologist took a plate that was used.",
    "G": "Too little dose: the picture is noisy.",
    "H": "An element of the probe is dead.",
    "I": "Contrast medium has leaked out of the vessel.",
}
# Of each picture: its cause, the shapes that are seen, and what a look at them finds.
ARTEFACTS = {
    "ghost": ("B", "A test exposure of an empty plate, with a hand on it.",
              "A plate that was exposed evenly, with nothing on it. A hand can be made out faintly, its bones a little lighter."),
    "dirt": ("A", "A part of a test exposure of an empty plate.",
             "A part of an evenly exposed plate: small sharp white specks on even grey."),
    "motion": ("C", "A knee and its artery after subtraction.",
               "A knee after subtraction: beside the dark vessel every edge of the bones has a light and a dark line."),
    "shadow": ("D", "A fan of grain with several organs in it.",
               "A fan of grain: a black hollow, in it a bright arc, and beneath the arc a black stripe that widens with the fan "
               "down to its lower edge; above the arc all is as beside it."),
    "polarity": ("E", "A chest from the front.",
                 "A chest: the lungs are light, the spine and the heart are dark."),
}  # fmt: skip


def seconds_between(start, end):
    """Seconds from one time of a day to another, both as HH:MM:SS."""
    h1, m1, s1 = map(int, start.split(":"))
    h2, m2, s2 = map(int, end.split(":"))
    return (h2 - h1) * 3600 + (m2 - m1) * 60 + (s2 - s1)


SAID = (  # what people say, or wrote once, where the header has a code
    "CAT", "COMPUTED TOMOGRAPHY", "MRI", "MRT", "NMR", "DR", "DIGITAL RADIOGRAPHY", "MMG", "MAMMO", "MAMMOGRAPHY", "ULTRASOUND", "U/S",
    "FLUORO", "FLUOROSCOPY", "ANGIO", "ANGIOGRAPHY", "DSA", "IV-OCT", "IV OCT", "NUCLEAR MEDICINE", "SPECT", "SCINTIGRAPHY", "PET", "PHOTO",
)
CODES = ("CT", "MR", "DX", "CR", "MG", "US", "RF", "XA", "IVUS", "IVOCT", "NM", "PT", "XC", "SR", "OCT", "OPT", "OP", "PX", "IO", "OT",
         "KO", "PR", "ES", "GM", "SM", "ECG", "RG", "BMD")  # fmt: skip


def modality(value):
    """A modality's code; DBT too, which people write for a tomosynthesis, and which is told by itself."""
    text = " ".join(str(value).split()).strip(" '\".").upper()
    if text in CODES or text == "DBT":
        return text
    if text in SAID:
        raise ValueError("that is what people say; in the header, in a query and in a routing rule stands a code, and the table at the "
                         "beginning of the lesson has it")
    raise ValueError("that is no modality's code, such as CT")


def codec(value):
    """A transfer syntax's UID (or that of a SOP class), from its UID with words about it, or a usual name."""
    if isinstance(value, int):
        raise ValueError("that is no UID; the proof is the UID of what was refused, not the number of the result")
    text = str(value)
    found = set(re.findall(r"(?<![\w.])\d+(?:\.\d+){5,}(?!\w|\.\d)", text))
    if len(found) > 1:
        raise ValueError("these are several UIDs, and one is asked")
    if found:
        one = found.pop()
        words = re.sub(r"[^a-z0-9]", "", text.replace(one, "").casefold())
        if any(word in words and one.removeprefix(ENCODING) not in ends for word, ends in OTHER_CODECS.items()):
            raise ValueError("UID and words are of two different transfer syntaxes, and one is asked")
        return one
    end = re.fullmatch(r"\W*(?:1\.2(?:\.840)?|2)?\W*4\.(\d\d)\W*", text)
    if end:
        return f"{ENCODING}4.{end[1]}"  # the end of the UID, as in 1.2.840...4.70
    text = re.sub(r"\b(the|transfer syntax|compression|compressed|codec|encoding|uid|of)\b", "", text.casefold())
    letters = re.sub(r"[^a-z0-9]", "", text.replace("first-order prediction", "sv1"))
    letters = letters.replace("selectionvalue1", "sv1").replace("nonhierarchical", "")
    names = {
        "jpeglossless": JPEG_LOSSLESS, "jpeglosslesssv1": JPEG_LOSSLESS, "losslessjpeg": JPEG_LOSSLESS,
        "jpeglosslessprocess14sv1": JPEG_LOSSLESS, "jpeglosslesssv1process14": JPEG_LOSSLESS,
        "jpeglosslessprocess14": ENCODING + "4.57", "jpeg2000lossless": ENCODING + "4.90", "jpeg2000": ENCODING + "4.90",
        "jpeg2000losslessonly": ENCODING + "4.90", "jpegls": ENCODING + "4.80", "jpeglslossless": ENCODING + "4.80",
        "breasttomosynthesis": TOMOSYNTHESIS, "tomosynthesis": TOMOSYNTHESIS,
    }  # fmt: skip
    return names.get(letters) or uid(value)


OTHER_CODECS = {  # word, without blanks: ends of the UIDs to which it belongs
    "jpegls": ("4.80", "4.81"), "jpeg2000": ("4.90", "4.91"), "baseline": ("4.50",), "extended": ("4.51",), "rle": ("5",),
    "lossy": ("4.50", "4.51", "4.81", "4.91"), "implicit": (IMPLICIT,),
}


def sop_class(value):
    """A SOP class's UID, from its name, the UID, or the end of the UID as the lesson's table has it."""
    if isinstance(value, (int, float)):
        raise ValueError("without quotes it is a number, in which .2 and .20 are the same. Put the end of the UID in quotes")
    text = str(value).strip(" '\"`").lstrip("*\u2026")
    before, middle, end = text.lstrip(".").rpartition("5.1.4.1.1.")
    if middle and STORAGE.endswith(f"{before}{middle}"):
        text = end
    if re.fullmatch(r"\.?\d{1,3}(\.\d{1,3}){0,3}", text) and not text.startswith("1.2.840"):
        return STORAGE + text.removeprefix(".")
    if _shortened(text) in SHORT_NAMES:
        return SHORT_NAMES[_shortened(text)]
    try:
        return uid(value)
    except ValueError:
        raise ValueError("that is no SOP class: give its whole UID, the end of it in quotes, or the name as the table at the beginning of "
                         "the lesson has it") from None


def _shortened(name):
    """The words of a SOP class's name that tell it from others, as "digital mammography for processing"."""
    words = re.sub("[^a-z0-9]+", " ", re.sub("(?i)x[ -]?rays?", "", name).casefold()).replace("multi frame", "multiframe").split()
    return " ".join(word for word in words if word not in ("image", "images", "storage", "sop", "class"))


SHORT_NAMES = {
    "computed radiography": STORAGE + "1", "cr": STORAGE + "1", "ct": STORAGE + "2", "mr": STORAGE + "4",
    "digital for presentation": STORAGE + "1.1", "digital for processing": STORAGE + "1.1.1",
    "digital mammography for presentation": STORAGE + "1.2", "digital mammography for processing": PROCESSING,
    "mammography for presentation": STORAGE + "1.2", "mammography for processing": PROCESSING,
    "breast tomosynthesis": TOMOSYNTHESIS, "radiofluoroscopic": STORAGE + "12.2", "angiographic": STORAGE + "12.1",
    "ultrasound": STORAGE + "6.1", "ultrasound multiframe": MULTIFRAME, "us multiframe": MULTIFRAME,
    "nuclear medicine": STORAGE + "20", "nm": STORAGE + "20", "pet": STORAGE + "128", "positron emission tomography": STORAGE + "128",
    "intravascular optical coherence tomography for presentation": STORAGE + "14.1",
}  # fmt: skip


def megabytes(value):
    """Megabytes, from a number or from text with a unit."""
    found = re.fullmatch(r"\s*(\d[\d., \u00a0']*?)\s*(MB|GB|)\s*", value, re.IGNORECASE) if isinstance(value, str) else None
    if not found:
        return value
    digits = re.sub(r"[ \u00a0']", "", found[1])
    # A comma parts thousands when three figures follow each, else it is the decimal sign.
    digits = digits.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", digits) else digits.replace(",", ".")
    return float(digits) * (1000 if found[2].upper() == "GB" else 1)


def picture(value):
    """A picture's number, from 3, "3" or "Picture 3"."""
    return int(str(value).casefold().replace("picture", "").strip(" ."))


def series_name(value):
    """A series' name or description in small letters, from "S3", 3, "3" or "series 3"."""
    text = " ".join(str(value).split()).strip(" '\".").casefold()
    number = re.fullmatch(r"(?:series )?s? ?#?(\d{1,2})", text)
    return f"s{number[1]}" if number else text


def weighting(value):
    """T1w, T2w or PDw, from what a person may write for it."""
    if re.search(r"(?i)t[12]\s*(\*|[ -]?star)(?!\*)", str(value)):
        raise ValueError("the star names another weighting, of gradient echoes; T1, T2 or PD is asked")
    text = "".join(letter for letter in str(value).upper() if letter.isalnum())
    text = text.removesuffix("ED").removesuffix("ING").removesuffix("WEIGHT").removesuffix("W")
    if text in ("T1", "T2", "PD"):
        return text + "w"
    if text in ("PROTONDENSITY", "RHO", "DP", "PROTON"):
        return "PDw"
    raise ValueError("T1, T2 or PD is asked")


def cause(value):
    """The letter of a cause, from the letter or the whole text."""
    text = re.sub(r"^(letter|cause) ", "", " ".join(str(value).replace("*", "").split()).strip(" '\".():-").casefold())
    for letter, said in CAUSES.items():
        short, said = letter.casefold(), said.strip(".").casefold()
        if text in (short, said) or re.fullmatch(rf"{short}[:.)]* {re.escape(said)}", text):
            return letter
    raise ValueError(f"one of the letters {', '.join(CAUSES)} is asked")


class Lettered(Fields):
    """A dictionary with an entry for each picture; forgives a list in the order of the pictures, and keys such as 1 and "Picture 1".

    most : how often a value may be there before that is said first
    once : the sentence about it
    """

    def __init__(self, variables, entries, most, once, remark):
        super().__init__(variables, entries, in_order=True, remark=remark)
        self.most, self.once = most, once

    def _written(self, given):
        written = super()._written(given)
        return {
            str(name) if type(name) is int and 0 <= name < 100 else
            re.sub(r"(?i)^\s*picture[\s_]*", "", name) if type(name) is str else name: value
            for name, value in written.items()
        }

    def read(self, given):
        """As for every dictionary, but a list of another length is told so."""
        value = plain(given)
        if type(value) is list and value and not any(type(one) in (list, dict) for one in value):
            if len(value) != len(self.entries):
                raise Unreadable(f"Your list has {len(value)} values; there are {len(self.entries)} pictures.")
        return super().read(given)

    def judge(self, exercise, given, editions):
        """As for every dictionary; but first a value that is there too often."""
        try:
            values = list(self.read(*given).values())
        except Unclear:
            values = []
        often = next((value for value in values if values.count(value) > self.most), None)
        if often:
            return Verdict(Outcome.NOT_YET, f"You gave {often} {values.count(often)} times. {self.once}", "repeated")
        return super().judge(exercise, given, editions)


class Uptake(Number):
    """An SUV, also written so; a wrong one that is huge, because of a unit, need not be given to the last digit to be told."""

    def __init__(self, variables, **details):
        super().__init__(variables, named=("SUVbw", "SUV"), **details)

    def _factor(self, unit):
        return super()._factor(re.sub(r"(?i)^suv(bw)?\b\s*", "", unit))

    def _near(self, number, target, relative=0.0):
        return super()._near(number, target, relative or (0.006 if abs(target) > 1000 else 0.0))

    def judge(self, exercise, given, editions):
        """As for every number; but one that a number of the worked cell, or half the way, would give is told so."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label not in ("value", "close"):
            return verdict
        voxel, number = exercise.lesson.input_of("voxel", editions.own), self.read(*given)[0]
        waited = seconds_between(voxel["injected_at"], voxel["series_time"])
        activity = voxel["stored_value"] * voxel["rescale_slope"]
        right = _suv(voxel)
        for what, other in (
            ("the weight of the worked cell, 70 kg", right * 70 / voxel["weight_kg"]),
            ("the dose of the worked cell, 250 MBq", right * voxel["dose_bq"] / 250e6),
            ("the 3600 seconds of the worked cell", right * 2 ** ((3600 - waited) / voxel["half_life_s"])),
            ("the slope of the worked cell, 1.5", right * 1.5 / voxel["rescale_slope"]),
            ("the stored value of the worked cell, 9000", right * 9000 / voxel["stored_value"]),
        ):
            if super()._near(number, other, 0.004):
                return Verdict(verdict.outcome, f"That is what comes out with {what}. It was another patient's: look through the line for "
                               "what is still left of it.", "left over")  # fmt: skip
        if super()._near(number, activity, 0.001):
            return Verdict(verdict.outcome, "That is the activity in Bq/ml, the first step. It is divided by what each gram "
                           "would have got.", "first step")  # fmt: skip
        return verdict


class Velocity(Number):
    """A velocity that is read off a scale: one or two rows beside it is told so."""

    def difference(self, answer, other):
        """None when it is the velocity."""
        difference = super().difference(answer, other)
        if difference is None or abs(answer[0] - other[0]) > 2.5:
            return difference
        return Difference("A row or two beside it. Reference Pixel Y0 counts from the region's first row on, which is 0 there: nothing is "
                          "added or taken away besides.", "close")  # fmt: skip


class Syntax(Text):
    """A UID of DICOM; another one that the standard has is told by its name."""

    def difference(self, answer, other):
        """None when they are the same UID."""
        difference = super().difference(answer, other)
        name = UID(answer).name
        if difference is None or name == answer:
            return difference
        return Difference(f"What you gave is {name}, which does not stand in the row that was refused. Copy the UID from there.", "value")


class Subtraction(Function):
    """A function of pictures, with messages about arrays for people who are new to them."""

    helps = {
        "converted to Python scalar": "`math.log` takes a single number; `np.log` takes a whole picture.",
        "converted to a scalar": "`math.log` takes a single number; `np.log` takes a whole picture.",
        "must be real number": "`math.log` takes a single number; `np.log` takes a whole picture.",
        "'list' and 'int'": "A list as a whole can't have 1 taken off; do it for each: `one - 1 for one in masks`.",
    }
    scaled = (
        "Each picture is right by itself, but each is on a scale of its own, as if you had divided it by its own maximum. Then the same "
        "darkness is another amount of contrast from frame to frame. One factor for all is fine, one for each picture is not."
    )

    def _factors(self, exercise, function, hospital):
        """By how much the function's pictures are stronger than the solution's, case by case."""
        cases = exercise.cases_on(hospital)
        returned = running.run_all([lambda case=case: function(*copy.deepcopy(case)) for case in cases], self.seconds).returned
        pairs = zip(returned, self._results(exercise, exercise.solution, cases, hospital), strict=False)
        return [np.abs(self.result.read(one)).max() / np.abs(right).max() for one, right in pairs]

    def judge(self, exercise, given, editions):
        """As for every function."""
        verdict = super().judge(exercise, given, editions)
        if verdict.correct:
            factors = self._factors(exercise, *given, editions.own)
            same = max(factors) < 1.1 * min(factors)
            return verdict if same else Verdict(Outcome.NOT_YET, self.scaled, "scaled")
        if not verdict.message:
            return verdict
        message = verdict.message
        for kind, words in (("ndarray", "a picture"), ("float64", "one number")):
            message = message.replace(f"an object of type `{kind}`", words).replace(f"an object of type {kind}", words)
        if verdict.label == "error":
            message += "".join({f" {help}" for sign, help in self.helps.items() if sign in message})
        return Verdict(verdict.outcome, message, verdict.label)


class Pixels(Kind):
    """A picture as an array: compared up to a positive factor, because it's the window that makes greys of it."""

    takes = "an array, a number for each pixel"

    def read(self, given):
        """The array, as floats."""
        if type(given) is list and given and all(type(row) is list or is_library(row, "numpy", "ndarray") for row in given):
            given = plain(given)  # rows of numbers, as two loops make them
            if len({len(row) for row in given}) > 1:
                raise Unclear("a list of rows of different lengths")
        elif not is_library(given, "numpy", "ndarray"):
            raise Unclear(describe(given))
        try:
            pixels = np.array(given, copy=True)
        except ValueError:
            raise Unclear("a list in which some pixels are no numbers") from None
        if pixels.dtype.kind not in "uif" or not pixels.size:
            raise Unclear("an array without numbers")
        if not np.isfinite(pixels).all():
            raise Unclear("an array in which some pixels are infinite or NaN, such as the logarithm of zero or the mean of no frame at all")
        return pixels.astype(float)

    def difference(self, answer, other):
        """None when both show the same."""
        if answer.shape != other.shape:
            wanted = f"{other.shape[0]} rows and {other.shape[1]} columns"
            return Difference(f"Its shape is {answer.shape}; one frame of this run has {wanted}.", "shape")
        factor = (answer * other).sum() / ((other * other).sum() or 1)
        turned = factor < 0
        if turned:
            answer, factor = -answer, -factor
        same = factor > 0 and np.abs(answer - factor * other).max() <= 0.02 * factor * np.abs(other).max()
        if same and not turned:
            return None
        if same:
            return Difference("The vessel comes out light. On a workstation it is dark: which of the two is taken away from which?", "sign")
        return Difference("Where nothing changed between mask and frame there should be nothing left, and in the vessel the same "
                          "darkness beside and over bone.", "value")  # fmt: skip


def _on_pictures(case, picture):
    """A sentence on a subtracted picture that other masks, or none of the logarithms, would give."""
    frames, number, masks = case
    frame, kind = np.log(frames[number - 1]), Pixels("picture")
    those = frames[[one - 1 for one in masks]].astype(float)
    for other, sentence in (
        (frame - np.log(those[-1]), "Only the last of the masks is in your picture. Their mean is asked."),
        (frame - np.log(those[:2].mean(axis=0)), "Only the first two of the masks are in it. Their mean is asked, however many there are."),
        (frame - np.log(those.sum(axis=0)), "The masks are added in it, but not divided by how many there are."),
        (frame - np.log(those.sum(axis=0) / 2), "You divide the sum of the masks by 2. How many there are says `len(masks)`."),
        (frame - np.log(np.median(those, axis=0)), "That is the median of the masks. Their mean is asked."),
        *((frame - np.log(whole), "The mean of the masks was made a whole number. Where few counts are left, what is lost is much: keep "
           "the mean as it comes.") for whole in (those.mean(axis=0).astype(int), those.mean(axis=0).round())),
        (np.minimum(frame - np.log(those.mean(axis=0)), 0), "What is above 0 is cut off in it. Leave it: noise goes both ways."),
    ):
        if kind.difference(picture, other) is None:
            return sentence
    return None


class Sizes(Table):
    """A table of sizes; other columns don't matter, and whole numbers may be cut or rounded."""

    megabytes = ("mb", "megabyte", "size", "size_mb", "size in mb", "size (mb)")  # other names of that column

    def _arranged(self, answer, other):
        """As for a table, without the columns that were not asked when those that were are there."""
        names = ["megabytes" if name.strip().casefold() in self.megabytes else name.strip().casefold() for name in answer.columns]
        if set(other.columns) <= set(names):
            places = [names.index(name) for name in other.columns]
            answer = Rows(list(other.columns), [tuple(row[place] for place in places) for row in answer.rows])
        return super()._arranged(answer, other)

    def _same(self, got, want):
        if type(got) not in (int, float) or type(want) not in (int, float):
            return got == want
        if float(got).is_integer():
            return abs(got - want) <= 0.5 or got == math.floor(want) or (want > 10 and got == math.ceil(want))
        return abs(got - want) <= 0.06


def _on_sizes(kind, column, given, right, get):
    """A sentence on a wrong size: what it would be for each pixel."""
    if type(given) not in (int, float):
        return ""
    if float(given).is_integer() and given == math.ceil(right):
        return "It is rounded up; asked is the nearest whole number."
    row = next(row for row in get("sheet").to_dict("records") if row["kind"].casefold() == kind)
    each = given * 1e6 / (row["rows"] * row["columns"] * row["frames"] * row["objects"])
    count = f"{each:.2g} byte{'s' * (f'{each:.2g}' != '1')}"
    return (f"Your number comes to {count} for each pixel of each frame of each object; the row says {row['samples']} "
            f"sample{'s' * (row['samples'] > 1)} of {row['bits_allocated']} bits allocated.")


WOULD_BE = {  # cause given: what it would look like
    "A": "Dust and dirt are small, sharp, white specks, with nothing round them.",
    "B": "What is left of an exposure before is faint, and does not belong to this picture.",
    "C": "When the patient moved, every edge of the bones is there twice, light and dark, on opposite sides.",
    "D": "Something hard is bright itself, and behind it there is a dark stripe to the lower edge of the fan.",
    "E": "When the greys are not turned round, air is light and bone dark.",
    "F": "A second exposure on a plate would be as strong as the first, two pictures in one.",
    "G": "Too little dose makes grain, all over the picture, and leaves shapes and greys as they should be. Is there nothing else here?",
    "H": "A dead element darkens a stripe from the probe on, from the upper edge of the fan.",
    "I": "Contrast medium that leaks makes a cloud beside the vessel.",
}


def _on_causes(number, given, right, get):
    """A sentence on a cause that is not the picture's: what it would look like."""
    return f"{WOULD_BE[given]} Look again at this picture."


NOT_THIS_WEIGHTING = {  # the two that were taken for one another: what tells them apart
    frozenset(("T1w", "T2w")): "The fluid in the chambers (ventricles) tells T1 from T2: water is bright with T2 weighting and dark with "
                               "T1.",
    frozenset(("T2w", "PDw")): "The fluid tells T2 from PD, which both have a long TR: with T2 it is the brightest by far, with PD it "
    "hardly stands out.",
    frozenset(("T1w", "PDw")): "White and grey matter tell T1 from PD: with T1 the white matter is the lighter one, with PD it is the "
    "darker one, and the fluid is not dark.",
}


def _on_weightings(letter, given, right, get):
    """A sentence on a weighting that was taken for another."""
    return NOT_THIS_WEIGHTING[frozenset((given, right))]


def _on_plates(row, extra):
    """Why a plate did not get too much, or where to look when one is missing."""
    if not extra:
        return ("Go through the rows again: for an exposure index value over target, for an S number target over value. Twice is "
                "enough.")
    times = row["target"] / row["value"]
    if row["scale"] == "S":
        return f"It has an S number, which falls when the dose grows: target over value is {times:.1f}, and +3 is twice."
    return f"Its exposure index is {row['value'] / row['target']:.1f} times its target, and +3 is twice."


def _on_series(row, extra):
    """Why a series does not fit, or where to look when one is missing."""
    if not extra:
        return "Compare every Frame of Reference UID with that of PET AC, whatever study or device the series is of."
    if row["description"] == "PET AC":
        return "It is PET AC itself: asked is what can be laid over it."
    if "late" in row["description"]:
        return ("It is of the same study and device, but the last figure of its Frame of Reference UID is another one: the patient got up "
                "and lay down again.")
    return "Its Frame of Reference UID is another one: it was made on another table, in coordinates of its own."


PICTURES_OF = {  # modality given: how its pictures look
    "CT": "CT makes sections with sharp edges, in which bone is the brightest.", "MR": "MR makes sections in which bone is dark.",
    "DX": "A flat panel makes shadows, everything on top of each other.", "CR": "A plate makes shadows, everything on top of each other.",
    "MG": "Mammography shows a breast.", "US": "Ultrasound from outside makes a fan or a box of grain.",
    "RF": "Fluoroscopy makes shadows that move, often with barium that is swallowed.",
    "XA": "Angiography shows vessels that are filled through a catheter.", "IVUS": "IVUS makes a disc full of grain out to its rim.",
    "IVOCT": "IVOCT makes a disc that fades to black within a short way of the wall.",
    "NM": "A gamma camera makes pictures of counted dots, mostly the body seen from outside.",
    "PT": "PET makes blurred sections without a sharp edge.", "XC": "A photograph has the colours of the world.",
    "OCT": "Light sees only a millimetre or two into tissue, with lines as fine as hairs.", "OPT": "OPT shows the eye, with light.",
    "OP": "OP is a photograph of the eye.", "PX": "PX shows the jaw, unrolled, with all its teeth.", "IO": "IO shows a few teeth.",
    "SR": "A structured report has no picture.", "KO": "A key object selection has no picture of its own.",
    "PR": "A presentation state has no picture of its own.", "OT": "OT, other, is for what has no code. This picture's device has one.",
}


NOT_THIS_MODALITY = {  # (modality, what was given): why not, where the look of such pictures alone does not tell
    ("DX", "CR"): "A plate makes such shadows, too. But what is left of its header has a Presentation Intent Type, which the SOP class "
    "of CR does not know.",
    **dict.fromkeys([("MG", "DX"), ("MG", "CR")], "A shadow or slices, yes, but of what? One large round shape that begins at an edge of "
                    "the picture is taken on a unit with a modality of its own."),
    **dict.fromkeys([("RF", "DX"), ("RF", "CR")], "A shadow, yes, but it moves from frame to frame: something is swallowed. That is "
                    "watched, not taken once."),
    ("IVOCT", "OCT"): "It is made with light, yes. The code OCT stands for that elsewhere; inside a vessel it has a code of its own.",
    ("IVUS", "OCT"): "Light fades within a short way of the wall. This disc is full of grain out to its rim.",
    ("IVUS", "US"): "It is made with sound, yes, but from inside a vessel, which has a code of its own.",
}
CLASS_OF = {  # SOP class: the modality whose it is
    "1": "CR", "1.1": "DX", "1.1.1": "DX", "1.2": "MG", "1.2.1": "MG", "13.1.3": "MG", "12.1": "XA", "12.2": "RF", "2": "CT", "4": "MR",
    "6.1": "US", "14.1": "IVOCT", "14.2": "IVOCT", "20": "NM", "128": "PT", "77.1.4": "XC", "88.67": "SR",
}  # fmt: skip
RETIRED = (STORAGE + "3", STORAGE + "6", STORAGE + "5", STORAGE + "12.3")  # ultrasound (two), nuclear medicine, biplane angiography


def _on_labels(number, column, given, right, get):
    """A sentence on a wrong modality or SOP class of the delivery."""
    if column == "modality":
        return NOT_THIS_MODALITY.get((right.upper(), given.upper())) or PICTURES_OF.get(given.upper(), "")
    if given in RETIRED:
        return "That SOP class is retired: the standard has a later one of nearly the same name, with another UID."
    row = get("delivery").set_index("picture").loc[int(number)]
    known = UID(given).name if given[:1].isdigit() else ""
    if known.startswith("Enhanced"):
        return (f"That is {known}, which holds a whole series in one object. `delivery` says in how many objects this one came, and how "
                f"many frames each has: {int(row['objects'])} and {int(row['frames'])}.")
    owner = "clips of US and IVUS" if given == MULTIFRAME else CLASS_OF.get(given.removeprefix(STORAGE))
    if owner and owner != CLASS_OF.get(right.removeprefix(STORAGE), "US"):
        return f"The modality is right, but that is the SOP class of {owner}: look along the row of your modality in the table."
    frames, samples = int(row["frames"]), int(row["samples"])
    return (f"In `delivery` it has {frames} frame{'s' * (frames > 1)} and {samples} sample{'s' * (samples > 1)} a pixel. "
            "Which SOP class of this modality holds that, and is the picture raw or made to be read?")


def _shuffled(items, draws):
    """The items in an order of chance."""
    items = list(items)
    return [items[place] for place in np.argsort(draws.raw(len(items)), kind="stable")]


# --- pictures of this hospital


@lesson.input
def radiographs(hospital):
    """A chest from the plate reader, one from the flat panel, and what the flat panel measured for it."""
    return [
        Tile("CR: plate, CR_ER1", hospital.image("cr_chest_pa"), "a chest from the front, bones light, lungs dark, a white frame round it"),
        Tile("DX, for presentation", hospital.image("dx_chest_pa"), "a chest from the front, bones light, lungs dark"),
        Tile("DX, for processing", hospital.image("dx_chest_pa_processing"),
             "the same chest as measured: air white, body nearly black, hardly any structure"),
    ]  # fmt: skip


@lesson.input
def breasts(hospital):
    """A mammogram, its raw data, and two slices of the tomosynthesis of the same breast."""
    volume, sharp = hospital.image("dbt_lmlo"), images.truth("dbt_lmlo", hospital.seed)["sharp"]
    other = 2 if sharp > volume.NumberOfFrames // 2 else volume.NumberOfFrames - 1
    return [
        Tile("MG, for presentation", hospital.image("mg_lmlo"), "a breast from the side at an angle, the muscle at the top, a light mass"),
        Tile("MG, for processing", hospital.image("mg_lmlo_processing"), "the same breast as measured: nearly black on white"),
        Tile(f"DBT, slice {sharp}", volume, "a slice of the same breast in which the mass is sharp", sharp),
        Tile(f"DBT, slice {other}", volume, "another slice, in which the mass is hardly to be seen", other),
    ]


@lesson.input
def runs(hospital):
    """Fluoroscopy and angiography: one frame of each."""
    return [
        Tile("RF: barium swallow", hospital.image("rf_swallow"), "a neck from the side, barium black in front of the spine"),
        Tile("XA: left coronary", hospital.image("xa_coronary"), "a tree of vessels filled with contrast, dark on light"),
        Tile("XA: knee, contrast", hospital.image("xa_dsa"), "the bones of a knee, over them a dark artery", _knee(hospital)["peak"]),
    ]


def _round_the_body(ds):
    """The part of a section that holds the patient, with a little air: a crop for a Tile."""
    seen = ds.pixel_array > ds.pixel_array.max() * 0.08
    edges = []
    for axis, size in ((1, ds.Rows), (0, ds.Columns)):
        places = np.flatnonzero(seen.sum(axis=axis) > 2)
        edges += [max(int(places[0]) - 6, 0), min(int(places[-1]) + 7, size)]
    return tuple(edges)


def _both_views(ds):
    """The two frames of a whole-body scan side by side, as they are read, and their window."""
    return np.hstack(ds.pixel_array), (float(ds.WindowCenter), float(ds.WindowWidth))


def _knee(hospital):
    return images.truth("xa_dsa", hospital.seed)


@lesson.input
def sections(hospital):
    """One slice of a chest CT in two windows, and a brain MR with three weightings."""
    chest = hospital.image("ct_chest")[12]
    brains = [hospital.image(f"mr_brain_{kind}")[6] for kind in ("t1", "t2", "pd")]
    return [
        Tile("CT, soft tissue window", chest, "a section through a chest: vessels with contrast light, lungs black, bone white",
             window=(40, 400)),
        Tile("CT, lung window", chest, "the same slice: vessels of the lung light on grey, all else white", window=(-600, 1500)),
        *(Tile(label, brain, says, crop=_round_the_body(brains[0])) for label, brain, says in (
            ("MR, T1", brains[0], "a section through a brain: fluid dark, white matter lighter than grey matter, fat bright"),
            ("MR, T2", brains[1], "the same section: fluid bright, white matter darker than grey matter"),
            ("MR, PD", brains[2], "the same section: little contrast; grey matter lighter than white matter"),
        )),
    ]  # fmt: skip


@lesson.input
def sounds(hospital):
    """Ultrasound from outside and from inside, and light from inside."""
    return [
        Tile("US: liver, gallbladder, kidney", hospital.image("us_abdomen"),
             "a fan of grain with dark vessels, a black gallbladder with a bright stone, an oval kidney"),
        Tile("US: clip of a fetus", hospital.image("us_ob_cine"), "a fan of grain, a box in which moving blood has colours"),
        Tile("IVUS", hospital.image("ivus_pullback"), "a disc full of grain round the black catheter; the vessel's wall a dark ring"),
        Tile("IVOCT", hospital.image("ivoct_pullback"), "a disc: round the catheter a bright fine wall that fades within a short way"),
    ]  # fmt: skip


@lesson.input
def tracers(hospital):
    """A bone scan and a slice of a PET."""
    voxel_slice, _, _ = _hottest(hospital)
    section = hospital.image("pt_torso")[voxel_slice]
    bones, window = _both_views(hospital.image("nm_bone"))
    return [
        Tile("NM: bone scan", bones, "a whole skeleton in dots from the front and from the back, kidneys and bladder, some spots brighter",
             window=window),
        Tile("PET: slice of a trunk", section, "a blurred trunk with one very bright spot", crop=_round_the_body(section)),
        Tile("XC: wound photo", hospital.image("xc_wound"), "a colour photograph of a wound with a ruler"),
    ]


# --- inputs of the exercises


@lesson.input
def plates(hospital):
    """This morning's plates: a DataFrame with plate, body_part, scale (EI or S), value, target."""
    import pandas as pd

    draws = Draws(hospital.seed, "cpas-04 plates")
    parts = {"CHEST": 250, "KNEE": 250, "HAND": 180, "ABDOMEN": 400}
    # body part, scale, dose over its target in percent, from and to
    plan = [
        ("CHEST", "EI", 80, 125), ("CHEST", "EI", 75, 130), ("KNEE", "EI", 142, 165), ("HAND", "EI", 85, 120), ("ABDOMEN", "EI", 85, 115),
        ("ABDOMEN", "EI", 140, 160), ("HAND", "EI", 220, 255), ("CHEST", "EI", 250, 285), ("KNEE", "EI", 340, 400), ("CHEST", "EI", 30, 42),
        ("CHEST", "S", 85, 125), ("CHEST", "S", 230, 280), ("KNEE", "S", 36, 43),
    ]  # fmt: skip
    numbers = _shuffled(range(401, 460), draws)
    rows = []
    for number, (part, scale, low, high) in zip(numbers, plan, strict=False):
        dose = draws.one(low, high)
        target = parts[part] if scale == "EI" else 400
        value = target * dose // 100 if scale == "EI" else target * 100 // dose
        rows.append((f"P0{number}", part, scale, value, target))
    return pd.DataFrame(_shuffled(rows, draws), columns=["plate", "body_part", "scale", "value", "target"])


@lesson.input
def contexts(hospital):
    """What MG1 proposed to WS_MG1 and what the answer was: a DataFrame."""
    import pandas as pd

    told = hospital.capture("mg_ctx").truth
    facts = told["facts"]
    return pd.DataFrame([
        {"time_utc": "10:31:08", "sop_class": STORAGE + "1.2", "offered": [EXPLICIT, IMPLICIT], "result": 0},
        {"time_utc": told["at_utc"][11:], "sop_class": facts["abstract_syntaxes"][0], "offered": [facts["transfer_syntax"]],
         "result": facts["context_results"][0]},
    ])  # fmt: skip


@lesson.input
def knee(hospital):
    """The run of the knee, for subtraction."""
    return hospital.image("xa_dsa")


@lesson.input
def mr_pictures(hospital):
    """Three slices of a brain that the learner has not seen, without a header."""
    said = {
        "t1": "Fluid in the chambers is dark, white matter is lighter than the rim of grey matter, the scalp's fat is bright.",
        "t2": "Fluid in the chambers is the brightest of all, white matter is darker than the rim of grey matter.",
        "pd": "Little contrast: grey matter is a little lighter than white matter, fluid differs little from tissue.",
    }
    order = _order_of_mr(hospital)
    slices = {kind: images.image(f"mr_brain_{kind}", hospital.seed + ELSEWHERE)[5] for kind in order}
    return [
        Tile(f"Picture {letter}", slices[kind], "a section through a brain", crop=_round_the_body(slices["t1"]), finds=said[kind])
        for letter, kind in zip(LETTERS, order, strict=False)
    ]


def _order_of_mr(hospital):
    return _shuffled(("t1", "t2", "pd"), Draws(hospital.seed, "cpas-04 weightings"))


@lesson.input
def sealed_times(hospital):
    """What the headers of `mr_pictures` say: {picture: (TR, TE)} in ms."""
    told = [images.truth(f"mr_brain_{kind}", hospital.seed + ELSEWHERE) for kind in _order_of_mr(hospital)]
    return {letter: (one["TR"], one["TE"]) for letter, one in zip(LETTERS, told, strict=False)}


@lesson.input
def kidney(hospital):
    """The ultrasound still of the abdomen."""
    return hospital.image("us_abdomen")


@lesson.input
def crosses(hospital):
    """The two ends of the kidney, each (column, row)."""
    return images.truth("us_abdomen", hospital.seed)["crosses"]


@lesson.input
def carotid(hospital):
    """The Doppler still of a carotid artery."""
    return hospital.image("us_carotid")


@lesson.input
def caliper(hospital):
    """The row at which the sonographer set the line, at the tips of the spectrum."""
    region = carotid(hospital).SequenceOfUltrasoundRegions[2]
    peak = images.truth("us_carotid", hospital.seed)["peak"]
    return region.RegionLocationMinY0 + region.ReferencePixelY0 + round(peak / region.PhysicalDeltaY)


@lesson.input
def pet(hospital):
    """The PET of the trunk: its slices."""
    return hospital.image("pt_torso")


@lesson.input
def low_dose_ct(hospital):
    """The CT of the same PET/CT: its slices."""
    return hospital.image("ct_pet")


def _hottest(hospital):
    """Slice, row and column of a voxel in a lesion: the nearest to its middle in which every way of going wrong gives an SUV of its own."""
    slices = lesson.input_of("pet", hospital)
    ways = [UptakeOfTheLesion.solution, *UptakeOfTheLesion.wrong_ways]
    candidates = []
    for lesion in images.truth("pt_torso", hospital.seed)["lesions"].values():
        x, y, z = lesion["centre"]
        for number, ds in enumerate(slices):
            away = abs(float(ds.ImagePositionPatient[2]) - z)
            if away < lesion["radius"]:
                left, top = (float(value) for value in ds.ImagePositionPatient[:2])
                place = number, round((y - top) / float(ds.PixelSpacing[0])), round((x - left) / float(ds.PixelSpacing[1]))
                candidates.append((away / lesion["radius"], place))
    best, most = None, 0
    for _, place in sorted(candidates):
        suvs = sorted(way(_voxel(slices, *place)) for way in ways)
        apart = min(b - a for a, b in zip(suvs, suvs[1:], strict=False))
        if apart > most:
            best, most = place, apart
        if apart > 0.15:
            break
    return best


def _voxel(slices, number, row, column):
    """A voxel and what is needed of the headers to compute its SUV."""
    ds = slices[number]
    isotope = ds.RadiopharmaceuticalInformationSequence[0]

    def clock(time):
        return f"{time[:2]}:{time[2:4]}:{time[4:6]}"

    return {
        "stored_value": int(ds.pixel_array[row, column]),
        "rescale_slope": float(ds.RescaleSlope),
        "slope_of_first_slice": float(slices[0].RescaleSlope),
        "units": str(ds.Units),
        "decay_correction": str(ds.DecayCorrection),
        "series_time": clock(ds.SeriesTime),
        "acquisition_time": clock(ds.AcquisitionTime),
        "earliest_acquisition": clock(min(one.AcquisitionTime for one in slices)),
        "injected_at": clock(isotope.RadiopharmaceuticalStartTime),
        "dose_bq": int(isotope.RadionuclideTotalDose),
        "half_life_s": float(isotope.RadionuclideHalfLife),
        "weight_kg": float(ds.PatientWeight),
    }


@lesson.input
def lesion_slice(hospital):
    """The place of the slice through the lesion, in `pet` and in `low_dose_ct`."""
    return _hottest(hospital)[0]


@lesson.input
def voxel(hospital):
    """One voxel of a lesion and what is needed of the headers: a dict."""
    return _voxel(lesson.input_of("pet", hospital), *_hottest(hospital))


@lesson.input
def suv_in_oncology(hospital):
    """What the workstation in the oncology meeting shows for the voxel."""
    return round(_suv(lesson.input_of("voxel", hospital), until=None), 1)


@lesson.input
def series_of_the_patient(hospital):
    """The series of the PET/CT's patient that the archive has: a DataFrame, each with its frame of reference."""
    import pandas as pd

    ds = lesson.input_of("pet", hospital)[0]
    draws = Draws(hospital.seed, "cpas-04 fusion")
    study, day, frame = ds.StudyInstanceUID, ds.StudyDate, ds.FrameOfReferenceUID
    moved, other = frame[:-1] + "7", study.rsplit(".", 1)[0] + ".58"
    rows = [
        (study, day, "PT", "PET AC", "PETCT1", frame),
        (study, day, "PT", "PET NAC", "PETCT1", frame),
        (study, day, "CT", "CT AC 3.0", "PETCT1", frame),
        (study, day, "PT", "PET AC late", "PETCT1", moved),
        (study, day, "CT", "CT AC late", "PETCT1", moved),
        (other, day, "CT", "Chest breath-hold 1.0", "PETCT1", frame),
        (other + ".2", day, "CT", "Thorax 1.0", "CT2", other + ".2.9"),
        (other + ".3", day, "MR", "T1 tra", "MR1", other + ".3.9"),
        (f"2.999.300.{draws.one(100, 999)}", "20250226", "CT", "Thorax 3.0 (CD of ECC)", "ECC_CT", f"2.999.300.{draws.one(100, 999)}.9"),
    ]
    named = [(f"S{number}", *row) for number, row in zip(_shuffled(range(1, 10), draws), rows, strict=True)]
    columns = ["series", "study_uid", "date", "modality", "description", "device", "frame_of_reference_uid"]
    return pd.DataFrame(sorted(named), columns=columns)


@lesson.input
def artefact_pictures(hospital):
    """Five pictures with something wrong, without labels."""
    makers = {"ghost": _ghost, "dirt": _dirt, "motion": _motion, "shadow": _shadow, "polarity": _polarity}
    test = {"ghost": ": test exposure, empty plate", "dirt": ": test exposure, enlarged"}
    return [
        Tile(f"Picture {number}{test.get(name, '')}", *_as_tile(makers[name](hospital), *ARTEFACTS[name][1:]))
        for number, name in enumerate(_order_of_artefacts(hospital), 1)
    ]


def _order_of_artefacts(hospital):
    return _shuffled(ARTEFACTS, Draws(hospital.seed, "cpas-04 artefacts"))


def _as_tile(made, says, finds):
    """Image, text, frame, window, crop and description of a tile."""
    image, window, crop = made
    return image, says, None, window, crop, finds


def _ghost(hospital):
    return hospital.image("plate_ghost"), (None, None), None


def _dirt(hospital):
    """The part of the plate round two specks, away from the other faults."""
    specks = images.truth("plate_artefact", hospital.seed)["faults"]["specks"]
    faults = images.truth("plate_artefact", hospital.seed)["faults"]
    lines = [box for kind in ("scratch", "roller line", "lost line") for box in faults[kind]]
    best, most = None, -1
    for top in range(0, 1201 - DIRT, 10):
        for left in range(0, 901 - DIRT, 10):
            box = top, top + DIRT, left, left + DIRT
            if any(_overlap(box, line) for line in lines):
                continue
            count = sum(_within(speck, box) for speck in specks)
            if count > most:
                best, most = box, count
    return hospital.image("plate_artefact"), (None, None), best


def _overlap(one, other):
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


def _within(one, other):
    return other[0] <= one[0] and one[1] <= other[1] and other[2] <= one[2] and one[3] <= other[3]


def _motion(hospital):
    """The subtraction of the fullest frame after the leg had moved, without the shift that would mend it."""
    frames, told = lesson.input_of("knee", hospital).pixel_array.astype(float), _knee(hospital)
    moved = [place for place, shift in enumerate(told["shifts"]) if any(shift)]
    frame = frames[max(moved, key=lambda place: told["contrast"][place])]
    return 1000 * (np.log(frame) - np.log(frames[:2].mean(axis=0))), (-200, 1400), None


def _shadow(hospital):
    return images.image("us_abdomen", hospital.seed + ELSEWHERE), (None, None), None


def _polarity(hospital):
    """A chest of MONOCHROME1 as a workstation shows it that takes it for MONOCHROME2."""
    ds = images.image("cr_chest_pa", hospital.seed + ELSEWHERE)
    margin = 70  # the white frame and the marker
    return ds.pixel_array, (float(ds.WindowCenter), float(ds.WindowWidth)), (margin, ds.Rows - margin, margin, ds.Columns - margin)


@lesson.input
def artefact_findings(hospital):
    """What a look at each of the five pictures finds: {number of the picture: text}."""
    return {str(number): ARTEFACTS[name][2] for number, name in enumerate(_order_of_artefacts(hospital), 1)}


@lesson.input
def sheet(hospital):
    """What a usual study of each kind holds: a DataFrame, a row for each kind."""
    import pandas as pd

    draws = Draws(hospital.seed, "cpas-04 sheet")
    rows = [
        ("CT thorax-abdomen", 512, 512, 1, 16, 12, 1, draws.one(620, 780)),
        ("MR brain", 384, 384, 1, 16, 12, 1, draws.one(180, 240)),
        ("DX chest, two views", 2832, 2320, 1, 16, 14, 1, 2),
        ("MG screening, four views", 4096, 3328, 1, 16, 12, 1, 4),
        ("DBT, four volumes", 2457, 1890, 1, 16, 10, draws.one(52, 68), 4),
        ("US abdomen, stills", 768, 1024, 3, 8, 8, 1, draws.one(25, 40)),
        ("US heart, clips", 600, 800, 3, 8, 8, draws.one(45, 75), draws.one(35, 50)),
        ("XA coronaries", 1024, 1024, 1, 8, 8, draws.one(45, 75), draws.one(10, 16)),
        ("NM bone scan", 1024, 256, 1, 16, 16, 2, 1),
        ("PET whole body", 200, 200, 1, 16, 16, 1, draws.one(280, 340)),
        ("IVOCT pullback", 512, 512, 1, 8, 8, draws.one(375, 540), 1),
    ]
    columns = ["kind", "rows", "columns", "samples", "bits_allocated", "bits_stored", "frames", "objects"]
    return pd.DataFrame(rows, columns=columns)


@lesson.input
def archive_sizes(hospital):
    """What a series takes in the archive, by modality and description: a DataFrame."""
    table = hospital.pacs.sql(
        "SELECT modality, COUNT(*) AS series, ROUND(AVG(n_instances), 1) AS objects, ROUND(AVG(size_bytes) / 1e6, 1) AS megabytes "
        "FROM series GROUP BY modality ORDER BY AVG(size_bytes) DESC"
    )
    return table[table["megabytes"] >= 0.1].reset_index(drop=True)


@lesson.input
def dose_report(hospital):
    """The irradiation events of the dose report of a chest CT: a DataFrame."""
    import pandas as pd

    wanted = {"113830": "CTDIvol_mGy", "113825": "length_mm", "113838": "DLP_mGy_cm"}
    events = []

    def walk(items):
        for item in items:
            name = item.ConceptNameCodeSequence[0].CodeValue if "ConceptNameCodeSequence" in item else ""
            if name == "113819":
                events.append({"event": ""})
            if name == "125203" and events:
                events[-1]["event"] = item.TextValue
            if name in wanted and events and item.ValueType == "NUM":
                events[-1][wanted[name]] = float(item.MeasuredValueSequence[0].NumericValue)
            walk(item.get("ContentSequence", ()))

    walk(hospital.image("sr_dose_ct").ContentSequence)
    return pd.DataFrame(events)


def _order_of_delivery(hospital):
    return _shuffled(DELIVERY, Draws(hospital.seed, "cpas-04 delivery"))


@lesson.input
def delivered(hospital):
    """The ten objects of the teaching server, from an edition that the learner has not seen; a series by its middle slice."""
    objects = []
    for name in _order_of_delivery(hospital):
        made = images.image(name, hospital.seed + ELSEWHERE)
        series = made if isinstance(made, list) else [made]
        objects.append((series[len(series) // 2], len(series)))
    return objects


@lesson.input
def delivery_pictures(hospital):
    """The pictures of the ten files."""
    order, objects = _order_of_delivery(hospital), lesson.input_of("delivered", hospital)
    tiles = []
    for number, (name, (ds, _)) in enumerate(zip(order, objects, strict=True), 1):
        shown, window, crop = ds, (None, None), None
        if ds.Modality == "MG":
            crop = (round(MARKER * ds.Rows), ds.Rows, 0, ds.Columns)
        elif ds.Modality == "PT":
            crop = _round_the_body(ds)
        elif ds.Modality == "NM":
            shown, window = _both_views(ds)
        tiles.append(Tile(f"Picture {number}", shown, DELIVERY[name][2], window=window, crop=crop, finds=DELIVERY[name][3]))
    return tiles


@lesson.input
def delivery(hospital):
    """What is left of the headers of the ten files: a DataFrame."""
    import pandas as pd

    order, objects = _order_of_delivery(hospital), lesson.input_of("delivered", hospital)
    return pd.DataFrame([
        {"picture": number, "rows": ds.Rows, "columns": ds.Columns, "bits_stored": ds.BitsStored, "samples": ds.SamplesPerPixel,
         "frames": int(ds.get("NumberOfFrames", 1)), "objects": count, "also_left": DELIVERY[name][4]}
        for number, (name, (ds, count)) in enumerate(zip(order, objects, strict=True), 1)
    ])  # fmt: skip


@lesson.input
def delivery_findings(hospital):
    """What a look at each of the ten pictures finds: {number of the picture: text}."""
    return {number: DELIVERY[name][3] for number, name in enumerate(_order_of_delivery(hospital), 1)}


# --- ways of going wrong that several functions share


def _suv(voxel, slope="rescale_slope", until="series_time", base=2.0, grams=1000):
    """The SUV of `voxel` with other ingredients."""
    waited = seconds_between(voxel["injected_at"], voxel[until]) if until else 0
    left = voxel["dose_bq"] * base ** (-waited / voxel["half_life_s"])
    return voxel["stored_value"] * (voxel[slope] if slope else 1) * voxel["weight_kg"] * grams / left


def _like_pet_ac(table, column, itself=False):
    """The names of the series that have the same in `column` as PET AC."""
    pet_ac = table["description"] == "PET AC"
    same = table[column] == table[column][pet_ac].iloc[0]
    return list(table["series"][same & (~pet_ac | itself)])


def _taken_for(artefact_findings, right, wrong):
    """The causes with one of them taken for another."""
    causes = WhatIsWrong.solution(artefact_findings)
    return {picture: wrong if letter == right else letter for picture, letter in causes.items()}


def _sizes(sheet, frames=None, samples=None, objects=None, bits=None, unit=1e6):
    """The sizes of `sheet` with something else in place of a column."""
    size = sheet["rows"] * sheet["columns"] * (sheet["bits_allocated"] if bits is None else bits) / 8 / unit
    for name, instead in (("frames", frames), ("samples", samples), ("objects", objects)):
        size = size * (sheet[name] if instead is None else instead)
    return sheet[["kind"]].assign(megabytes=size)


def _relabelled(delivery_findings, code, instead, its_class, only=None):
    """The labels with the pictures of a modality (of its SOP class `only`) given another modality and SOP class."""
    return [
        row | {"modality": instead, "sop_class": its_class}
        if row["modality"] == code and only in (None, sop_class(row["sop_class"])) else row
        for row in OneOfEach.solution(delivery_findings)
    ]


# --- exercises


@lesson.exercise
class TooMuchDose:
    """Which plates in `plates` got **too much dose**: a deviation index (DI) **above +3**, that is, more than about
    twice what was wanted?

    Answer with a list of their names from the column `plate`, in any order.
    """

    answer = Pick("too_much", about="plates", column="plate", looks="P0123", remark=_on_plates)
    points = 2
    praise = (
        "Nobody would have found them by looking: the reader scales every plate to the same greys. This list is what a check for "
        "exposure creep starts from."
    )

    def solution(plates):
        dose = plates["value"] / plates["target"]
        dose = dose.where(plates["scale"] == "EI", 1 / dose)
        deviation = 10 * np.log10(dose)
        return list(plates["plate"][deviation > 3])

    def s_like_ei(plates):
        return list(plates["plate"][10 * np.log10(plates["value"] / plates["target"]) > 3])

    def both_ends(plates):
        return list(plates["plate"][abs(10 * np.log10(plates["value"] / plates["target"])) > 3])

    def natural_logarithm(plates):
        dose = plates["value"] / plates["target"]
        dose = dose.where(plates["scale"] == "EI", 1 / dose)
        return list(plates["plate"][10 * np.log(dose) > 3])

    def three_times(plates):
        dose = plates["value"] / plates["target"]
        dose = dose.where(plates["scale"] == "EI", 1 / dose)
        return list(plates["plate"][dose > 3])

    def one_target_for_all(plates):
        dose = (plates["value"] / 250).where(plates["scale"] == "EI", plates["target"] / plates["value"])
        return list(plates["plate"][10 * np.log10(dose) > 3])

    def without_s(plates):
        deviation = 10 * np.log10(plates["value"] / plates["target"])
        return list(plates["plate"][(deviation > 3) & (plates["scale"] == "EI")])

    wrong_ways = {
        s_like_ei: "You read the S numbers as if they were exposure indices. An S number says how far the reader had to turn up its "
        "amplifier: it falls when the dose grows. For these rows the fraction stands the other way round.",
        both_ends: "Some of these got too little dose: their deviation is far below zero. Asked are those above +3. Too little is seen "
        "at once, as noise; too much is not seen at all.",
        natural_logarithm: "Among these are plates that got more than was wanted, but not twice as much: their DI is not above +3. If you "
        "computed with `math.log` or `np.log`, that is the natural logarithm; DI takes the one to base 10, `math.log10` or `np.log10`.",
        three_times: "These got more than three times the dose. DI counts on a logarithmic scale, as decibels do: three points up are "
        "about a doubling.",
        one_target_for_all: "You measured all plates against the same target. Each body part has a target of its own, in the column "
        "`target`.",
        without_s: "One plate is missing: the mobile reader gives S numbers, and these can be judged as well.",
    }
    hints = [
        "For a row with an exposure index: DI = 10 x log10(value / target). The worked cell does it for one plate.",
        "For a row with an S number the dose is high when the number is low, so the fraction is target / value.",
        "Go through the table row by row, with a calculator if you like: is value / target above 2, or, for S, target / value? No "
        "plate lies near the limit.",
    ]


@lesson.exercise
class WhyNoTomosynthesis:
    """Why does the tomosynthesis not arrive at WS_MG1, while the mammograms of the same patient do?

    Give the letter as `reason` and, as `proof`, the **UID** (or the name) of the thing that WS_MG1 could not accept.
    """

    answer = Choice(
        "reason, proof",
        options={
            "A": "WS_MG1 does not know the SOP class of tomosynthesis.",
            "B": "WS_MG1 knows the SOP class, but takes it in none of the transfer syntaxes that MG1 offers.",
            "C": "WS_MG1 does not know the AE title MG1.",
            "D": "The volume is too large: the connection broke while it was sent.",
            "E": "MG1 sent the raw data, which are not for reading.",
        },
        evidence=Syntax("proof", reading=codec),
    )
    points = 2
    praise = (
        "So MG1's vendor comes first: whoever proposes a SOP class must offer Implicit VR Little Endian for it as well, in this or in "
        "another context, as long as the pixels fit into it uncompressed (PS3.5 sections 10.1 and 10.2). The workstation's may be asked "
        "to take JPEG Lossless for tomosynthesis. Until then the router may decompress on the way."
    )

    def solution(contexts):
        refused = contexts[contexts["result"] != 0]
        return "B", refused["offered"].iloc[0][0]

    def unknown_class(contexts):
        return "A", None

    def unknown_caller(contexts):
        return "C", None

    def too_large(contexts):
        return "D", None

    def raw_data(contexts):
        return "E", None

    def the_class_as_proof(contexts):
        return "B", contexts["sop_class"].iloc[1]

    def what_was_accepted(contexts):
        return "B", contexts["offered"].iloc[0][0]

    def the_default(contexts):
        return "B", contexts["offered"].iloc[0][1]

    def jpeg_2000(contexts):
        return "B", ENCODING + "4.90"

    def jpeg_ls(contexts):
        return "B", ENCODING + "4.80"

    def any_predictor(contexts):
        return "B", ENCODING + "4.57"

    wrong_ways = {
        unknown_class: "Then the result of the context would be 3, abstract syntax not supported. Look at the list of results again.",
        unknown_caller: "Then the association itself would be rejected, without any result for a context, and that of the mammograms too. "
        "Here an association was accepted, and in it a context was refused.",
        too_large: "No byte of the volume was sent: the refusal came in the negotiation, before any data.",
        raw_data: "The SOP class that was proposed is Breast Tomosynthesis, slices that are made for reading. Raw projections have a "
        "SOP class of their own.",
        the_class_as_proof: "The letter is right. The SOP class is what WS_MG1 does know; its proof is the UID of what stands in the "
        "way: look at the column `offered`.",
        what_was_accepted: "The letter is right. That transfer syntax is the one in which the mammograms came through; look at the row "
        "that was refused.",
        the_default: "The letter is right. That is Implicit VR Little Endian, which MG1 did not even offer for the tomosynthesis; what "
        "WS_MG1 could not accept stands in the row that was refused.",
        jpeg_2000: "The letter is right. JPEG 2000 is another codec, with a transfer syntax of its own; MG1 did not offer it. Look at the "
        "UID in the row that was refused.",
        jpeg_ls: "The letter is right. JPEG-LS is another codec, with a transfer syntax of its own; MG1 did not offer it. Look at the UID "
        "in the row that was refused.",
        any_predictor: "The letter is right. Process 14 alone (any predictor) and process 14 with first-order prediction (SV1) are two "
        "transfer syntaxes with a UID each; give the UID that stands in the row that was refused.",
    }
    hints = [
        "Compare the two rows of `contexts`: which of their columns differ?",
        "The number in `result` is explained in the list above the exercise. It says whether the SOP class or the encoding is refused.",
        "The proof is the UID in the column `offered` of the row that was refused. It is the only one there.",
    ]


@lesson.exercise
class SubtractTheMask:
    """Write the function `subtracted(frames, number, masks)`, which gives the **subtracted picture**.

    `frames` are the frames of the run as stored (whole numbers without a sign, proportional to the intensity), `number` the frame to
    be shown, `masks` a list of the mask frames, such as `[1, 2]`; they need **not be neighbours**: of `[1, 3]` frame 2 may have been left
    out because the patient moved. Frames are numbered **from 1**, as DICOM does. Of several masks the **mean** is taken. Bone must
    vanish, and the vessel come out **dark** (less than 0) and equally dark over bone and beside it. Take the difference of the
    **logarithms**, so that what two vessels take away adds up where one lies over the other. Any base will do, if it's the same for all
    pictures. No pixel is 0.
    """

    answer = Subtraction("subtracted", result=Pixels("picture"), remark=_on_pictures)
    points = 3
    praise = (
        "The bone is gone because on a logarithmic scale it adds the same to frame and mask, however thick it is. (Whether the mean of the "
        "masks comes before the logarithm or after it hardly matters, as they are nearly alike.)"
    )

    def solution(frames, number, masks):
        mask = np.mean([frames[one - 1] for one in masks], axis=0)
        return np.log(frames[number - 1]) - np.log(mask)

    def without_logarithm(frames, number, masks):
        return frames[number - 1] - np.mean([frames[one - 1] for one in masks], axis=0)

    def wrapped(frames, number, masks):
        return frames[number - 1] - frames[masks[0] - 1]

    def the_other_way_round(frames, number, masks):
        return np.log(np.mean([frames[one - 1] for one in masks], axis=0)) - np.log(frames[number - 1])

    def counted_from_zero(frames, number, masks):
        return np.log(frames[number]) - np.log(np.mean([frames[one] for one in masks], axis=0))

    def first_mask_only(frames, number, masks):
        return np.log(frames[number - 1]) - np.log(frames[masks[0] - 1])

    def logarithm_of_the_difference(frames, number, masks):
        return np.log(np.abs(frames[number - 1] - np.mean([frames[one - 1] for one in masks], axis=0)) + 1)

    def by_division(frames, number, masks):
        mask = np.mean([frames[one - 1] for one in masks], axis=0)
        return (frames[number - 1] - mask) / mask

    def fraction(frames, number, masks):
        return frames[number - 1] / np.mean([frames[one - 1] for one in masks], axis=0)

    def frame_from_zero(frames, number, masks):
        return np.log(frames[number]) - np.log(np.mean([frames[one - 1] for one in masks], axis=0))

    def masks_from_zero(frames, number, masks):
        return np.log(frames[number - 1]) - np.log(np.mean([frames[one] for one in masks], axis=0))

    def mean_of_all_pixels(frames, number, masks):
        return np.log(frames[number - 1]) - np.log(np.mean([frames[one - 1] for one in masks]))

    def masks_added_as_stored(frames, number, masks):
        mask = sum(frames[one - 1] for one in masks) / len(masks)
        return np.log(frames[number - 1]) - np.log(mask)

    def one_added(frames, number, masks):
        mask = np.mean([frames[one - 1] for one in masks], axis=0)
        return np.log(frames[number - 1] + 1) - np.log(mask + 1)

    def masks_as_a_run(frames, number, masks):
        return np.log(frames[number - 1]) - np.log(np.mean(frames[min(masks) - 1 : max(masks)], axis=0))

    def so_many_from_the_first(frames, number, masks):
        return np.log(frames[number - 1]) - np.log(np.mean(frames[masks[0] - 1 : masks[0] - 1 + len(masks)], axis=0))

    def always_these_masks(frames, number, masks):
        return np.log(frames[number - 1]) - np.log(np.mean([frames[0], frames[1]], axis=0))

    def always_this_frame(frames, number, masks):
        return np.log(frames[4]) - np.log(np.mean([frames[one - 1] for one in masks], axis=0))

    def always_the_same(frames, number, masks):
        return np.log(frames[4]) - np.log(np.mean([frames[0], frames[1]], axis=0))

    wrong_ways = {
        by_division: "Bone does vanish that way, and the vessel is equally dark everywhere. But two vessels over each other come out less "
        "dark than the sum of both: the difference of the logarithms is asked, in which attenuations add up.",
        fraction: "That is the fraction of the two, without its logarithm: where nothing changed it is 1, and nothing is below 0.",
        frame_from_zero: "The masks are right, but the frame is taken one too late: Python counts from 0, DICOM from 1.",
        masks_from_zero: "The frame is right, but each mask is taken one too late: Python counts from 0, DICOM from 1.",
        mean_of_all_pixels: "Your mask is a single number, the mean of all pixels. The mean is taken over the frames, pixel by pixel: "
        "`axis=0` says so, as in the worked cell.",
        masks_added_as_stored: "You add the masks as they are stored. uint16 holds no more than 65,535: two bright frames are more, and "
        "the sum begins at 0 again. `np.mean(..., axis=0)` counts with floats.",
        one_added: "You add 1 before the logarithm, a habit against the logarithm of 0. Then bone does not vanish where it lets little "
        "through: 8 and 12 are a factor of 1.5, 9 and 13 are not. No pixel of these runs is 0.",
        masks_as_a_run: "You take all frames from the first mask to the last. What isn't in the list `masks`, such as frame 2 of `[1, 3]`, "
        "was left out for a reason: take the frames that are listed, one by one.",
        so_many_from_the_first: "You take as many frames as there are masks, from the first one on. They need not be neighbours: of "
        "`[1, 3]` the second is frame 3, so take the frames that are listed, one by one.",
        always_these_masks: "You always take the same masks, the first two frames. Which they are says `masks`, and it changes.",
        always_this_frame: "You always show the same frame. Which one it is says `number`, and it changes.",
        always_the_same: "You always take the same frame and the same masks. Which they are say `number` and `masks`, and they change.",
        without_logarithm: "You took the plain difference of the intensities. Then the vessel is fainter where bone has already taken "
        "most of the beam away. Attenuations add up only after the logarithm: X rays are weakened by a factor.",
        wrapped: "The stored numbers have no sign (uint16): 3 - 5 gives 65534 there, and the vessel comes out as a storm of white. "
        "Take the logarithms first, which are numbers with a sign, and the mean of all masks.",
        the_other_way_round: "The vessel comes out light: you took the frame away from the mask. Contrast medium weakens the beam, so "
        "frame minus mask is negative in the vessel, and dark on the screen.",
        counted_from_zero: "You took the frames one too late: Python counts from 0, DICOM numbers frames from 1. Frame 1 is `frames[0]`.",
        first_mask_only: "You used one of the masks. Their mean is asked (AVG_SUB): averaging the masks lowers their noise.",
        logarithm_of_the_difference: "You took the difference first and its logarithm after. Bone vanishes only when the logarithm of "
        "each is taken first and these are subtracted.",
    }
    hints = [
        "Three steps: the mean of the masks, the logarithm of both, the difference. The worked cell shows each of them on small numbers.",
        "`frames[number - 1]` is the frame. `np.mean([frames[one - 1] for one in masks], axis=0)` is the mean of the mask frames.",
        "`np.log(...)` takes the logarithm of a whole picture. Which of the two is taken away, so that less light means less than zero?",
    ]

    def cases(draw):
        # The first one can be read as it is: two rows of five, as in the worked cell. Frame 2 is spoilt, and no mask.
        still = [[1000, 1000, 250, 250, 1000], [1000, 500, 250, 125, 1000]]
        frames = [still, [[700, 1000, 1000, 250, 700], [1000, 1000, 500, 250, 700]], still, [[1000, 500, 250, 125, 1000],
                  [1000, 250, 250, 62, 1000]], still, [[1000, 400, 250, 100, 1000], [1000, 200, 250, 50, 1000]]]  # fmt: skip
        cases = [(np.array(frames, np.uint16), 4, [1, 3])]
        for masks in ([1, 2], [1, 2, 3], [2, 3], [1, 3], [1, 2, 3], [1, 2]):
            count = draw.randrange(6, 9)
            number = draw.randrange(4, count)
            # From nearly all that 16 bits hold to a few counts: a sum of two frames wraps round, and adding 1 is seen.
            bone = np.array([[draw.choice([0.0, 0.4, 1.6, 8.5]) for _ in range(7)] for _ in range(5)])
            bone[0, :2] = 0.0, 8.5
            vessel = np.zeros((5, 7))
            vessel[:, draw.randrange(1, 6)] = 0.5
            frames = []
            for place in range(count):
                flow = 0 if place < 3 else 0.8 + 0.2 * (place % 5)
                noise = np.array([[1 + draw.uniform(-0.05, 0.05) for _ in range(7)] for _ in range(5)])
                here = np.roll(bone, 1, axis=1) if masks == [1, 3] and place == 1 else bone  # the patient moved, so it's no mask
                frames.append(60_000 * np.exp(-here - vessel * flow) * noise)
            cases.append((np.round(np.array(frames)).astype(np.uint16), number, masks))
        return cases


@lesson.exercise
class WhichWeighting:
    """Which **weighting** does each of the three pictures A, B and C have: T1, T2 or PD? Each is there once.

    Give a dictionary; write the weighting in quotes.
    """

    answer = Lettered("weightings", {letter: Text("weighting", reading=weighting) for letter in "ABC"}, most=2,
                      once="Each weighting is there once: look for what tells the pictures apart.", remark=_on_weightings)  # fmt: skip
    points = 2
    praise = "With this you see at once when a hanging protocol puts the wrong series into the T2 place, whatever its description says."

    def solution(sealed_times):
        weightings = {}
        for letter, (repetition, echo) in sealed_times.items():
            if repetition < 1000:
                weightings[letter] = "T1"           # short TR
            elif echo > 60:
                weightings[letter] = "T2"           # long TR, long TE
            else:
                weightings[letter] = "PD"
        return weightings

    def t1_and_t2(sealed_times):
        other = {"T1": "T2", "T2": "T1", "PD": "PD"}
        return {letter: other[kind] for letter, kind in WhichWeighting.solution(sealed_times).items()}

    def t2_and_pd(sealed_times):
        other = {"T1": "T1", "T2": "PD", "PD": "T2"}
        return {letter: other[kind] for letter, kind in WhichWeighting.solution(sealed_times).items()}

    def t1_and_pd(sealed_times):
        other = {"T1": "PD", "T2": "T2", "PD": "T1"}
        return {letter: other[kind] for letter, kind in WhichWeighting.solution(sealed_times).items()}

    wrong_ways = {
        t1_and_t2: "You seem to take T1 for T2. Look at the fluid in the chambers (ventricles): water is bright with T2 weighting and "
        "dark with T1.",
        t2_and_pd: "You seem to take T2 for PD. Both have a long TR; what tells them apart is the fluid: with T2 it is the brightest "
        "by far, with PD it hardly stands out.",
        t1_and_pd: "You seem to take T1 for PD. Look at grey and white matter: with T1 the white matter is the lighter one, with PD it "
        "is the darker one, and the fluid is not dark.",
    }
    hints = [
        "Look at the fluid first: in which picture is it the brightest of all, in which the darkest?",
        "Bright fluid: T2. Dark fluid and white matter lighter than grey: T1.",
        "The third, with little contrast anywhere, is PD.",
    ]


@lesson.exercise
class PeakVelocity:
    """The sonographer has set a line at the tips of the spectrum, at row `caliper`. Which **velocity** is that, in **cm/s**?

    Take what you need from the header of `carotid`; above the baseline is positive.
    """

    answer = Velocity("velocity", unit="cm/s", tolerance=0.51)
    points = 2
    praise = "A workstation that knows no regions offers a ruler in millimetres here, or in pixels. Now you know what it should have read."

    def solution(carotid, caliper):
        region = carotid.SequenceOfUltrasoundRegions[2]
        baseline = region.RegionLocationMinY0 + region.ReferencePixelY0
        return (caliper - baseline) * region.PhysicalDeltaY

    def from_top_of_region(carotid, caliper):
        region = carotid.SequenceOfUltrasoundRegions[2]
        return (caliper - region.RegionLocationMinY0) * abs(region.PhysicalDeltaY)

    def from_top_of_image(carotid, caliper):
        region = carotid.SequenceOfUltrasoundRegions[2]
        return (caliper - region.ReferencePixelY0) * abs(region.PhysicalDeltaY)

    def tissue_scale(carotid, caliper):
        return PeakVelocity.solution(carotid, caliper) * carotid.SequenceOfUltrasoundRegions[0].PhysicalDeltaY

    def downwards(carotid, caliper):
        return -PeakVelocity.solution(carotid, caliper)

    def from_bottom(carotid, caliper):
        region = carotid.SequenceOfUltrasoundRegions[2]
        return (region.RegionLocationMaxY1 - caliper) * abs(region.PhysicalDeltaY)

    def the_row_itself(carotid, caliper):
        return caliper

    def by_the_tissue_region(carotid, caliper):
        region = carotid.SequenceOfUltrasoundRegions[0]
        return (caliper - region.RegionLocationMinY0) * region.PhysicalDeltaY

    def the_baseline_itself(carotid, caliper):
        return carotid.SequenceOfUltrasoundRegions[2].ReferencePixelY0

    def corrected_again(carotid, caliper):
        return PeakVelocity.solution(carotid, caliper) / 0.5

    def correction_taken_back(carotid, caliper):
        return PeakVelocity.solution(carotid, caliper) * 0.5

    def the_row_of_the_baseline(carotid, caliper):
        region = carotid.SequenceOfUltrasoundRegions[2]
        return region.RegionLocationMinY0 + region.ReferencePixelY0

    wrong_ways = {
        from_top_of_region: "You counted from the upper edge of the region. Zero is at the baseline, the green line: the reference "
        "pixel of the region says where it lies, counted from that edge.",
        from_top_of_image: "You took Reference Pixel Y0 for a row of the whole image. It counts from the upper edge of its region, so "
        "add the row at which the region begins (PS3.3 C.8.5.5).",
        tissue_scale: "A hundred times too small. If it is in m/s: the unit asked is cm/s. If you took the scale of the tissue picture "
        "(centimetres per pixel): each region has its own, and the row lies in the one of the spectrum.",
        downwards: "The sign is turned: Physical Delta Y of this region is negative because rows count downwards and velocities upwards.",
        from_bottom: "You counted from the lower edge of the region. There the negative velocities end; zero is at the baseline.",
        the_row_itself: "That is the row of the line, counted from the top of the picture. How far is it from the baseline, and what is a "
        "pixel there?",
        by_the_tissue_region: "You took the header of region 0, the tissue, where a pixel is a length. The line lies in another region.",
        the_baseline_itself: "That is Reference Pixel Y0: how far the baseline lies below the region's upper edge. How far is the line "
        "from the baseline?",
        corrected_again: "You corrected for the Doppler angle of 60 degrees once more. The scale of the region is in cm/s, so the "
        "device has corrected for it already.",
        correction_taken_back: "You multiplied by the cosine of the Doppler angle, 60 degrees: that is only the part that comes towards "
        "the probe. The scale of the region, in cm/s, is that of the blood along the vessel.",
        the_row_of_the_baseline: "That is the row of the baseline, the first step. How far is the line from it, and what is a row worth?",
    }
    hints = [
        "In which of the three regions does the row lie? Print that region of the header: its number is in the picture.",
        "The baseline (velocity 0) lies at row Region Location Min Y0 + Reference Pixel Y0.",
        "(caliper - baseline) x Physical Delta Y. Mind the sign of the last one.",
    ]


@lesson.exercise
class UptakeOfTheLesion:
    """What is the **SUVbw** of the voxel in `voxel`?

    One decimal is enough.
    """

    answer = Uptake("suv", unit="g/ml", tolerance=0.051)
    points = 3
    praise = "When two workstations show different SUVs for the same PET, these are the numbers to lay side by side."

    def solution(voxel):
        activity = voxel["stored_value"] * voxel["rescale_slope"]
        waited = seconds_between(voxel["injected_at"], voxel["series_time"])
        dose_left = voxel["dose_bq"] * 2 ** (-waited / voxel["half_life_s"])
        return activity * voxel["weight_kg"] * 1000 / dose_left

    def no_decay(voxel):
        return _suv(voxel, until=None)

    def to_the_acquisition(voxel):
        return _suv(voxel, until="acquisition_time")

    def kilograms(voxel):
        return _suv(voxel, grams=1)

    def activity_taken_back(voxel):
        back = 2 ** (seconds_between(voxel["injected_at"], voxel["series_time"]) / voxel["half_life_s"])
        return _suv(voxel) * back

    def grown(voxel):
        return _suv(voxel, base=0.5)

    def stored_values(voxel):
        return _suv(voxel, slope=None)

    def slope_of_another_slice(voxel):
        return _suv(voxel, slope="slope_of_first_slice")

    def without_halving(voxel):
        return _suv(voxel, base=np.e)

    def megabecquerel(voxel):
        return _suv(voxel) * 1e6

    def megabecquerel_and_kilograms(voxel):
        return _suv(voxel) * 1e3

    wrong_ways = {
        no_decay: "Your dose is the injected one, or hardly less. Until the scan began a good part of it had decayed; the PET's values are "
        "of that later time, so the dose must be too. If you did let it decay: the time goes in in seconds, as the half life does.",
        to_the_acquisition: "You let the dose decay until this slice was acquired. With Decay Correction START all slices are corrected to "
        "one moment, the start of the scan, also those of a bed position that was measured minutes later.",
        kilograms: "You used the weight in kilograms. The unit of SUVbw is g/ml, so the weight goes in in grams.",
        activity_taken_back: "You corrected the dose forward to the scan and the activity back to the injection. Both must be of the same "
        "moment: one of the two is enough.",
        grown: "Your dose has grown instead of decayed: the exponent needs a minus sign.",
        stored_values: "You used the stored value as it is. Only with the Rescale Slope does it become Bq/ml.",
        slope_of_another_slice: "You used the slope of the first slice. In PET each slice may have a Rescale Slope of its own, and "
        "here each does.",
        without_halving: "You used e as the base. With the half life in the exponent the base is 2: after one half life half is left.",
        megabecquerel: "A million times too large: the activity is in Bq/ml, so the dose goes in in Bq, not in MBq.",
        megabecquerel_and_kilograms: "A thousand times too large: the dose goes in in Bq (not MBq), and the weight in grams.",
    }
    hints = [
        "Four steps: the activity of the voxel; the seconds between the injection and the time to which the PET was corrected; the "
        "dose that was left then; and the fraction. The worked cell above does each step with other numbers.",
        "Decay Correction START: the times are `injected_at` and `series_time`. The activity is stored value x slope of this slice.",
        "SUVbw = activity x weight in grams / dose left. The dose left is less than the injected one.",
    ]


@lesson.exercise
class LayOver:
    """Which of the series in `series_of_the_patient` can a workstation lay over the series **PET AC** as they are, without registering
    them first?

    Answer with a list of the names from the column `series`, in any order, without PET AC itself.
    """

    answer = Pick("can_be_laid_over", about="series_of_the_patient", column="series", looks="S12", reading=series_name, also="description",
                  remark=_on_series)
    points = 2
    praise = (
        "The frame of reference only promises that the patient lay on the same table in between. A breath, or a head that turned, "
        "moves organs all the same; that is looked at, not read from a header."
    )

    def solution(series_of_the_patient):
        pet_ac = series_of_the_patient[series_of_the_patient["description"] == "PET AC"].iloc[0]
        same = series_of_the_patient["frame_of_reference_uid"] == pet_ac["frame_of_reference_uid"]
        other = series_of_the_patient["series"] != pet_ac["series"]
        return list(series_of_the_patient["series"][same & other])

    def same_study(series_of_the_patient):
        return _like_pet_ac(series_of_the_patient, "study_uid")

    def whole_study(series_of_the_patient):
        return _like_pet_ac(series_of_the_patient, "study_uid", itself=True)

    def same_day(series_of_the_patient):
        return _like_pet_ac(series_of_the_patient, "date")

    def same_device(series_of_the_patient):
        return [name for name in _like_pet_ac(series_of_the_patient, "device")
                if name in series_of_the_patient["series"][series_of_the_patient["modality"] != "PT"].values]

    def all_of_the_patient(series_of_the_patient):
        return list(series_of_the_patient["series"][series_of_the_patient["description"] != "PET AC"])

    def only_ct(series_of_the_patient):
        ct = set(series_of_the_patient["series"][series_of_the_patient["modality"] == "CT"])
        return [name for name in LayOver.solution(series_of_the_patient) if name in ct]

    def frame_and_study(series_of_the_patient):
        return [name for name in LayOver.solution(series_of_the_patient) if name in _like_pet_ac(series_of_the_patient, "study_uid")]

    def with_itself(series_of_the_patient):
        return _like_pet_ac(series_of_the_patient, "frame_of_reference_uid", itself=True)

    wrong_ways = {
        same_study: "These are the series of the same study. A patient who gets up and lies down again stays in the study, but the new "
        "table position has a new frame of reference; and a second request may have a study of its own on the same table position.",
        whole_study: "This is the whole study, PET AC itself among it. A patient who gets up and lies down again stays in the study, but "
        "the new table position has a new frame of reference; and a second request may have a study of its own on the same table position.",
        same_day: "These are the series of the same day. On one day a patient lies on several tables.",
        same_device: "These are the CT series of the same device. When the patient has got up in between, the coordinates have nothing "
        "in common any more.",
        all_of_the_patient: "These are all series of the patient. Each new positioning has coordinates of its own; without "
        "registration only those with the same frame of reference fit.",
        only_ct: "These are the CT series alone. Another PET can be laid over it as well: what counts is the frame of reference.",
        frame_and_study: "One is missing. You may have asked for the same study as well; a frame of reference may reach beyond a "
        "study. That is rare, but the header decides.",
        with_itself: "PET AC itself is among them; it is asked what can be laid over it.",
    }
    hints = [
        "Two series have the same coordinates when their Frame of Reference UID is the same, whatever else differs.",
        "Find the row PET AC and compare its UID with the others from the last digit on: some differ only there.",
        "In Python: `series_of_the_patient[series_of_the_patient[\"frame_of_reference_uid\"] == \"2.999...\"]`, with the UID of PET AC "
        "in place of `2.999...`, shows the rows that have it.",
    ]


@lesson.exercise
class WhatIsWrong:
    """What is **wrong** in each of the five pictures, or what causes it?

    Give a dictionary, with the letter of the cause in quotes. Each letter is used once at most.

    - **A**: Dust and dirt on the plate.
    - **B**: The plate was not erased well: it still holds the exposure before.
    - **C**: The patient moved between the mask and the run.
    - **D**: Something hard in the body lets no sound through.
    - **E**: The workstation does not turn MONOCHROME1 round.
    - **F**: Two exposures on the same plate: the technologist took a plate that was used.
    - **G**: Too little dose: the picture is noisy.
    - **H**: An element of the probe is dead.
    - **I**: Contrast medium has leaked out of the vessel.
    """

    answer = Lettered("causes", {str(number): Text("cause", reading=cause) for number in range(1, 6)}, most=1,
                      once="Each letter is used once at most.", remark=_on_causes)  # fmt: skip
    points = 2
    praise = (
        "Three of these go to the department, and one is no fault: it is how a stone is found. Before the vendor of the workstation is "
        "called about the reversed one, look into its header: the sender may have written the wrong Photometric Interpretation. And dirt "
        "inside a plate reader looks otherwise: a line along the way of the plate, on one plate after the other."
    )

    def solution(artefact_findings):
        causes = {}
        for number, text in artefact_findings.items():
            if "A hand can be made out faintly" in text:
                causes[number] = "B"        # on an empty plate: it was there before, most of it is erased
            elif "small sharp white specks" in text:
                causes[number] = "A"        # where dust lies on the plate, its light does not reach the reader
            elif "every edge of the bones has a light and a dark line" in text:
                causes[number] = "C"        # bone and its mask no longer lie on each other
            elif "beneath the arc a black stripe" in text:
                causes[number] = "D"        # a stone: no sound comes back from behind it
            elif "the lungs are light" in text:
                causes[number] = "E"        # air should be dark: black and white are exchanged
        return causes

    def double_exposure(artefact_findings):
        return _taken_for(artefact_findings, "B", "F")

    def noise(artefact_findings):
        return _taken_for(artefact_findings, "A", "G")

    def leaked(artefact_findings):
        return _taken_for(artefact_findings, "C", "I")

    def dead_element(artefact_findings):
        return _taken_for(artefact_findings, "D", "H")

    def underexposed(artefact_findings):
        return _taken_for(artefact_findings, "E", "G")

    wrong_ways = {
        double_exposure: "The hand is there, but much fainter than a whole exposure would leave it: that would run from black to white.",
        noise: "Noise is all over a picture and as fine as its grain. Here single spots stand out, sharp and far brighter than what is "
        "round them.",
        leaked: "Look at the edges of the bones: they appear twice, once light and once dark, on opposite sides. Contrast medium that "
        "leaks makes a cloud beside the vessel.",
        dead_element: "A dead element darkens a stripe that begins at the probe. This one begins in the depth, beneath something bright.",
        underexposed: "Look at what is light and what is dark: the lungs let the beam through and should be dark. With too little dose "
        "they would be dark too, and grainy.",
    }
    hints = [
        "First the modality: which of the causes can happen there at all? A plate has no probe, an ultrasound image no mask.",
        "Ask where the trouble begins. A dead element darkens a stripe from the skin on; a second exposure on a plate is as strong as "
        "the first, the rest of an erased one is faint; specks are sharp, noise is everywhere.",
        "White and black changed places in one picture, edges have a twin in another, one shows something that was there before, one "
        "has spots, one has darkness behind something bright.",
    ]


@lesson.exercise
class StudySizes:
    """How many **megabytes** (MB, millions of bytes) does each kind of study in `sheet` take, **uncompressed**?

    Answer with a table with the columns `kind` and `megabytes`, a row for each kind; rounded to the nearest whole megabyte is
    enough, and other columns do not matter.
    """

    answer = Sizes("study_sizes", key=["kind"], reading={"megabytes": megabytes}, remark=_on_sizes)
    points = 2
    praise = "So a tomosynthesis study weighs as much as a handful of large CTs, although a list of studies shows four objects."

    def solution(sheet):
        pixels = sheet["rows"] * sheet["columns"] * sheet["frames"] * sheet["objects"]
        sizes = sheet[["kind"]].copy()
        sizes["megabytes"] = pixels * sheet["samples"] * sheet["bits_allocated"] / 8 / 1e6
        return sizes

    def single_frames(sheet):
        return _sizes(sheet, frames=1)

    def grey_only(sheet):
        return _sizes(sheet, samples=1)

    def one_object(sheet):
        return _sizes(sheet, objects=1)

    def bits_that_count(sheet):
        return _sizes(sheet, bits=sheet["bits_stored"])

    def in_binary(sheet):
        return _sizes(sheet, unit=2**20)

    def in_bits(sheet):
        return _sizes(sheet, unit=1e6 / 8)

    def two_bytes(sheet):
        return _sizes(sheet, bits=16)

    def one_byte(sheet):
        return _sizes(sheet, bits=8)

    def in_bytes(sheet):
        return _sizes(sheet, unit=1)

    def in_kilobytes(sheet):
        return _sizes(sheet, unit=1e3)

    def in_gigabytes(sheet):
        return _sizes(sheet, unit=1e9)

    wrong_ways = {
        single_frames: "You counted every object as one picture. A clip or a volume is one object with many frames in it.",
        grey_only: "You counted one sample for each pixel. Colour takes three: red, green and blue.",
        one_object: "That is one object of each kind. A study holds as many as the column `objects` says.",
        bits_that_count: "You used Bits Stored. In memory and in an uncompressed file a sample occupies Bits Allocated (PS3.5 section "
        "8.1.1).",
        in_binary: "That is in MiB, of 1,048,576 bytes. A megabyte is a million bytes.",
        in_bits: "That is in megabits. A byte has eight bits.",
        two_bytes: "You counted two bytes for each sample. Where 8 bits are allocated it takes one: look at the column `bits_allocated`.",
        one_byte: "You counted one byte for each sample. Where 16 bits are allocated it takes two.",
        in_bytes: "That is in bytes. Asked are megabytes, millions of bytes.",
        in_kilobytes: "That is in kilobytes. Asked are megabytes, millions of bytes.",
        in_gigabytes: "That is in gigabytes. Asked are megabytes, millions of bytes.",
    }
    hints = [
        "Pixels first: rows x columns, times frames, times objects. Then how many bytes a pixel takes.",
        "A pixel takes samples x bits_allocated / 8 bytes: three samples for colour.",
        "`sheet[\"megabytes\"] = sheet[\"rows\"] * ...` computes the column for all rows at once; divide by 1,000,000 at the end. Then "
        "`study_sizes = sheet[[\"kind\", \"megabytes\"]]` takes the two columns that are asked.",
    ]


@lesson.exercise
class OneOfEach:
    """The ten files of the teaching server: for each picture, which **modality** made it and which **SOP class** is it sent as?

    Answer with a table with the columns `picture` (its number), `modality` (the code) and `sop_class` (the UID, its end or the
    name, as in the table of SOP classes), a row for each picture. A list of ten rows such as `(1, "CT", "CT Image Storage")` will do,
    or the table `delivery` with two columns more.
    """

    answer = Table("labels", key=["picture"], reading={"picture": picture, "modality": modality, "sop_class": sop_class},
                   remark=_on_labels, spare=("rows", "columns", "bits_stored", "samples", "frames", "objects", "also_left"))
    points = 4
    praise = (
        "The files can be labelled again, and the vendor gets one of each. It is the same look with which you catch a wrongly filed "
        "image."
    )

    def solution(delivery_findings):
        table = []
        for number, text in delivery_findings.items():
            if "a thick white ring" in text:
                code, end = "CT", ".2"              # a section; hard bone is white
            elif "its bones light" in text:
                code, end = "DX", ".1.1"            # a shadow; its header says FOR PRESENTATION
            elif "moves down from frame to frame" in text:
                code, end = "RF", ".12.2"           # something that is swallowed
            elif "nearly black without any structure" in text:
                code, end = "MG", ".1.2.1"          # a breast as measured: for processing
            elif "from frame to frame other strands" in text:
                code, end = "MG", ".13.1.3"         # a breast in slices, in one object
            elif "a bar of colours beside it" in text:
                code, end = "US", ".3.1"            # a fan with flow; several frames: a clip
            elif "full of grain round a black centre" in text:
                code, end = "IVUS", ".3.1"          # sound reaches the rim; sent as a clip
            elif "fades outwards within a short way" in text:
                code, end = "IVOCT", ".14.1"        # light does not
            elif "a whole skeleton in dots" in text:
                code, end = "NM", ".20"             # counts, seen from outside
            elif "no sharp edge anywhere" in text:
                code, end = "PT", ".128"            # a blurred section; its unit is BQML
            table.append({"picture": number, "modality": code, "sop_class": end})
        return table

    def light_for_sound(delivery_findings):
        return _relabelled(delivery_findings, "IVOCT", "IVUS", MULTIFRAME)

    def sound_for_light(delivery_findings):
        return _relabelled(delivery_findings, "IVUS", "IVOCT", STORAGE + "14.1")

    def intravascular_as_us(delivery_findings):
        return _relabelled(delivery_findings, "IVUS", "US", MULTIFRAME)

    def tomosynthesis_as_ct(delivery_findings):
        return _relabelled(delivery_findings, "MG", "CT", STORAGE + "2", TOMOSYNTHESIS)

    def tomosynthesis_as_mammogram(delivery_findings):
        return _relabelled(delivery_findings, "MG", "MG", STORAGE + "1.2", TOMOSYNTHESIS)

    def raw_as_presentation(delivery_findings):
        return _relabelled(delivery_findings, "MG", "MG", STORAGE + "1.2", PROCESSING)

    def clip_as_still(delivery_findings):
        return _relabelled(delivery_findings, "US", "US", STORAGE + "6.1")

    def fluoroscopy_as_angiography(delivery_findings):
        return _relabelled(delivery_findings, "RF", "XA", STORAGE + "12.1")

    def pet_as_nm(delivery_findings):
        return _relabelled(delivery_findings, "PT", "NM", STORAGE + "20")

    def nm_as_pet(delivery_findings):
        return _relabelled(delivery_findings, "NM", "PT", STORAGE + "128")

    def light_anywhere(delivery_findings):
        return _relabelled(delivery_findings, "IVOCT", "OCT", STORAGE + "14.1")

    def tomosynthesis_as_modality(delivery_findings):
        return _relabelled(delivery_findings, "MG", "DBT", TOMOSYNTHESIS, TOMOSYNTHESIS)

    def panel_as_plate(delivery_findings):
        return _relabelled(delivery_findings, "DX", "CR", STORAGE + "1")

    def panel_as_raw(delivery_findings):
        return _relabelled(delivery_findings, "DX", "DX", STORAGE + "1.1.1")

    def light_as_raw(delivery_findings):
        return _relabelled(delivery_findings, "IVOCT", "IVOCT", STORAGE + "14.2")

    def pullback_as_still(delivery_findings):
        return _relabelled(delivery_findings, "IVUS", "IVUS", STORAGE + "6.1")

    def ct_as_mr(delivery_findings):
        return _relabelled(delivery_findings, "CT", "MR", STORAGE + "4")

    def pet_as_ct(delivery_findings):
        return _relabelled(delivery_findings, "PT", "CT", STORAGE + "2")

    def tomosynthesis_as_raw(delivery_findings):
        return _relabelled(delivery_findings, "MG", "MG", PROCESSING, TOMOSYNTHESIS)

    wrong_ways = {
        panel_as_raw: "The modality is right. But what is left of its header says for what it was made, and raw data do not look like "
        "a picture to be read.",
        light_as_raw: "The modality is right. But raw data are not a disc: this is the picture that is to be read, and the table at the "
        "beginning has the SOP class for it.",
        pullback_as_still: "The modality is right, but the file has several frames, a pullback. The SOP class for stills holds one.",
        ct_as_mr: "Look at the skull: hard bone holds hardly any protons that answer, so MR shows it dark. Here it is the brightest.",
        pet_as_ct: "A section, yes, but nowhere a sharp edge, and bone is not the brightest. Look also at the unit that is left of its "
        "header: it counts decays, not Hounsfield units.",
        tomosynthesis_as_raw: "The modality is right, but this file has many frames, slices of one breast that are made for reading. Raw "
        "data of a mammogram are one projection.",
        light_for_sound: "A disc whose picture fades to black within a short way of the wall is made with light. Sound reaches to the "
        "rim of the disc.",
        sound_for_light: "A disc that is full of grain out to its rim is made with sound. Light reaches only a short way into the wall.",
        intravascular_as_us: "The SOP class is right. Modality tells the workstation that the probe lay in a vessel: it has a code of "
        "its own.",
        tomosynthesis_as_ct: "Slices alone do not make a CT: this tube turns through a small angle only, and it is a breast on a "
        "mammography unit. It has a SOP class of its own.",
        tomosynthesis_as_mammogram: "The modality is right, but this file has many frames, slices of one breast. The SOP class of a "
        "mammogram holds one projection.",
        raw_as_presentation: "The modality is right. Nobody could read this picture: it shows what the detector measured. Raw data "
        "have a SOP class of their own.",
        clip_as_still: "The modality is right, but the file has several frames. The SOP class for stills holds one.",
        fluoroscopy_as_angiography: "No vessel and no catheter is to be seen: something swallowed passes through the throat. Look also "
        "at what is left of its header.",
        pet_as_nm: "A gamma camera can make sections too (SPECT), but sends them as frames of one object, in counts. Here each slice is an "
        "object of its own; look also at the unit that is left of the header.",
        nm_as_pet: "The picture shows the whole body seen from outside, in counted dots, in two frames: from the front and from the back. "
        "PET gives sections.",
        light_anywhere: "The SOP class is right. The code OCT stands for optical coherence tomography elsewhere; inside a vessel it "
        "has a code of its own, and this SOP class demands it.",
        tomosynthesis_as_modality: "The SOP class is right. DBT is what people say; the header has the code of the unit that makes "
        "both, mammograms and tomosynthesis.",
        panel_as_plate: "By its looks it could be. But what is left of its header has a Presentation Intent Type, which the SOP class "
        "of CR does not know. (Newer plate readers send other objects.)",
    }
    hints = [
        "Sort the pictures first: shadows (everything on top of each other), sections, fans, discs, dots. Then use the table "
        "`delivery`: frames tell a clip from a still, samples tell colour.",
        "Two discs: grain to the rim is sound, a fine wall that fades is light. Two kinds of dots: a whole skeleton seen from outside, "
        "and a blurred section.",
        "The SOP class follows from modality, frames and intent: a clip of sound has one of its own, whether the probe is outside or "
        "inside; a breast has three: For Presentation, For Processing, Tomosynthesis.",
    ]
