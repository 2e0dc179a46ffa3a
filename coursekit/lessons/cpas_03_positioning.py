"""Positioning, planes and view codes: the exercises of lesson cpas-03."""

import re
import sys
from functools import lru_cache

from coursekit.checking import Choice, Fields, Function, Lesson, Number, Pick, Table, Text
from coursekit.checking.reading import Unclear, is_library, plain, short
from coursekit.hospital.draws import Draws

lesson = Lesson(
    "cpas-03",
    title="Positioning, planes and view codes",
    version=1,
    minutes=90,
    objectives=[
        "say from a film and its header how the patient stood, which way the beam went and which edge is the patient's left",
        "tell a mirrored image from a wrong marker and from a rare anatomy, and find where order, header and marker disagree",
        "name view and plane of an image from its codes and from the six numbers of Image Orientation (Patient)",
    ],
    covers=["imaging positioning", "view codes (PA chest; MLO and CC)"],
    needs=["cpas-01"],
)

OPPOSITE = {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H"}
# What becomes of the right and the bottom edge when the pixels are moved, told by the (right, bottom) that there were.
MOVES = {
    "as sent": lambda right, bottom: (right, bottom),
    "mirrored": lambda right, bottom: (turned(right), bottom),
    "upside down": lambda right, bottom: (turned(right), turned(bottom)),
    "turned right": lambda right, bottom: (turned(bottom), right),
    "turned left": lambda right, bottom: (bottom, turned(right)),
}
# Where right, left, top and bottom of the film go, in the words of the screen.
PLACES = {
    "as sent": ("right", "left", "top", "bottom"),
    "mirrored": ("left", "right", "top", "bottom"),
    "upside down": ("left", "right", "bottom", "top"),
    "turned right": ("bottom", "top", "right", "left"),
    "turned left": ("top", "bottom", "left", "right"),
}
WRITING = {"as sent": "readable", "mirrored": "in mirror writing", "upside down": "upside down", "turned right": "lying on its side",
           "turned left": "lying on its side"}
# Right and bottom edge of each image as its device sends it, and what is seen: {0} right, {1} left, {2} top, {3} bottom, {4} the marker.
SEEN = {
    "dx_chest_pa": (("L", "F"), "a chest with both lungs side by side, the neck at the {2}, the heart and the gas of the stomach to the "
                                "{0}, the letter L at the {2} and {0}, {4}"),
    "cr_chest_pa": (("L", "F"), "a chest with both lungs side by side, the neck at the {2}, the heart and the gas of the stomach to the "
                                "{0}, the letter L at the {2} and {0}, {4}"),
    "dx_chest_lat": (("P", "F"), "a chest with the lungs one over the other, the neck at the {2}, the breastbone to the {1}, the spine to "
                                 "the {0}, the letter L at the {2} and {1}, {4}"),
    "mg_rcc": (("P", "L"), "a half-round breast, its straight edge at the {0}, no muscle"),
    "mg_lcc": (("A", "R"), "a half-round breast, its straight edge at the {1}, no muscle"),
    "mg_rmlo": (("P", "FL"), "a breast that hangs down, its straight edge at the {0}, a white wedge of muscle at the {2} and {0}"),
    "mg_lmlo": (("A", "FR"), "a breast that hangs down, its straight edge at the {1}, a white wedge of muscle at the {2} and {1}"),
    "ct axial": (("L", "P"), "a ring of ribs with two lungs, the breastbone at the {2}, the spine at the {3}, the round descending aorta "
                             "beside the spine to the {0}"),
    "ct coronal": (("L", "F"), "a trunk from the neck to the upper abdomen with both lungs side by side, the heart to the {0}, the dome "
                               "of the liver to the {1}"),
}


def turned(letters):
    """The opposite direction: "FL" becomes "HR"."""
    return "".join(OPPOSITE[letter] for letter in letters)


class Film:
    """An image as it reaches the archive, its pixels moved or not.

    label   : its letter on the sheet
    letters : what the viewer writes at the right and the bottom edge, from the header; None where the header is kept back
    """

    def __init__(self, seed, label, image, move="as sent", letters=None, marker=True):
        self.label, self.letters = label, letters
        self._seed, self._image, self._move, self._marker = seed, image, move, marker

    def __repr__(self):
        return f"<film {self.label}>"

    @property
    def grey(self):
        """The film as greys from 0 to 255: an array."""
        return moved(_pixels(self._seed, self._image, self._marker), self._move)

    @property
    def text(self):
        """What is seen on it, in words."""
        told = SEEN[self._image][1].format(*PLACES[self._move], WRITING[self._move])
        if self._image.startswith("mg"):
            told += f", the letters {_mg_marker(self._image)} beside it" if self._marker else ", no marker"
        return told


def moved(grey, move):
    """The pixels mirrored or turned."""
    return {"as sent": lambda: grey, "mirrored": lambda: grey[:, ::-1], "upside down": lambda: grey[::-1, ::-1],
            "turned right": lambda: grey.T[:, ::-1], "turned left": lambda: grey.T[::-1]}[move]()


def edges_seen(film):
    """The right and the bottom edge of a film as somebody finds them who looks at it: the radiographer's reading."""
    return MOVES[film._move](*SEEN[film._image][0])


def show_films(films, title):
    """A sheet of films for the notebook."""
    from coursekit.figures.positioning import sheet

    shown = [(film.label, film.grey, film.letters, film.text) for film in films]
    return sheet(shown, title, columns=3 if len(films) == 6 else 4, size={1: 400, 6: 310}.get(len(films), 250))


def _mg_marker(image):
    return {"mg_rcc": "R CC", "mg_lcc": "L CC", "mg_rmlo": "R MLO", "mg_lmlo": "L MLO"}[image]


@lru_cache(maxsize=12)
def _pixels(seed, image, marker=True):
    """The greys of an image; of a mammogram also without its marker."""
    from coursekit.figures import Display
    from coursekit.hospital.images import image as made

    if image.startswith("ct"):
        axial, coronal = _reformats(seed)
        grey = axial if image == "ct axial" else coronal
    else:
        grey = Display(made(image, seed)).grey
    if not marker:
        grey = grey.copy()
        grey[20:90, slice(0, 230) if image.startswith("mg_r") else slice(370, 600)] = 0
    grey.setflags(write=False)  # it is kept, and shown again
    return grey


@lru_cache(maxsize=2)
def _stack(seed):
    """The greys of the chest CT, slice by slice from the head down, and how many pixels of a slice lie from one to the next."""
    import numpy as np

    from coursekit.figures import Display
    from coursekit.hospital.images import image as made

    series = made("ct_chest", seed)
    return np.stack([Display(one).grey for one in series]), round(float(series[0].SliceThickness) / float(series[0].PixelSpacing[0]))


@lru_cache(maxsize=2)
def _reformats(seed):
    """An axial slice of the chest CT at the heart, and a coronal plane through the whole stack."""
    from coursekit.figures.positioning import resliced

    stack, steps = _stack(seed)
    return stack[15], resliced(stack[:, 172], steps)


def direction(value):
    """One of the letters L, R, A, P, H, F, from the letter or its word."""
    words = {"left": "L", "right": "R", "anterior": "A", "front": "A", "posterior": "P", "back": "P", "head": "H", "superior": "H",
             "s": "H", "foot": "F", "feet": "F", "inferior": "F", "i": "F"}
    text = value.strip(" '\".[]()").casefold() if isinstance(value, str) else ""
    letter = words.get(text, text.upper())
    if letter not in OPPOSITE:
        raise ValueError("a direction is one of the letters L, R, A, P, H, F")
    return letter


def two_directions(value):
    """Two directions, "LF": from "L F", "L/F", "L\\F", ("L", "F") or words."""
    if isinstance(value, str):
        # In Python text some letters behind a backslash are control characters.
        for control, meant in (("\f", "\\F"), ("\a", "\\A"), ("\r", "\\R")):
            value = value.replace(control, meant)
        text = value.strip(" '\"[]()")
        value = [part for part in re.split(r"[\\/,;|\s'\"\-]+", text) if part]
        value = list(value[0]) if len(value) == 1 and len(value[0]) == 2 else value
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ValueError("two letters are asked: first that of the right edge, then that of the lower one")
    return "".join(direction(part) for part in value)


def plane(value):
    """axial, coronal or sagittal, from the usual names."""
    text = value.strip(" '\".").casefold() if isinstance(value, str) else ""
    text = re.sub(r"\s*(plane|slice)$", "", text)
    names = {"ax": "axial", "tra": "axial", "transverse": "axial", "transversal": "axial", "transaxial": "axial", "cor": "coronal",
             "frontal": "coronal", "sag": "sagittal"}
    text = names.get(text, text)
    if text not in ("axial", "coronal", "sagittal", "oblique"):
        raise ValueError("a plane is axial, coronal or sagittal")
    return text


def returned(reading):
    """The reading for what a learner's function returns: its sentence follows "it returned"."""
    def read(value):
        try:
            return reading(value)
        except ValueError as problem:
            raise Unclear(f"{short(value)}, but {problem}") from None
    return read


def asked_as(takes, kind):
    """The kind, with words of the exercise for what it takes: "your function should return the name of a plane"."""
    kind.takes = takes
    return kind


def end_of_the_film(value):
    """t or b: the upper or the lower edge of a picture."""
    text = value.strip(" '\".").casefold() if isinstance(value, str) else ""
    found = {"top": "t", "t": "t", "upper": "t", "up": "t", "above": "t", "bottom": "b", "b": "b", "lower": "b", "down": "b", "below": "b"}
    text = found.get(re.sub(r"^(at )?(the )?|( edge| end)$", "", text), "")
    if not text:
        raise ValueError("it is the top or the bottom of the picture")
    return text


def side(value):
    """L or R, from the letter or the word."""
    text = value.strip(" '\".").casefold() if isinstance(value, str) else ""
    if text not in ("l", "r", "left", "right"):
        raise ValueError("a side is L or R")
    return text[0].upper()


def mammogram(value):
    """CC or MLO, from the letters or the words."""
    text = re.sub(r"[\s\-]+", "", value).casefold() if isinstance(value, str) else ""
    view = {"craniocaudal": "CC", "mediolateraloblique": "MLO", "oblique": "MLO"}.get(text, text.upper())
    if view not in ("CC", "MLO"):
        raise ValueError("a view is CC or MLO")
    return view


NEGATIONS = ("not", "no", "never", "without", "nothing", "none", "non", "un", "neither", "nor", "cannot", "cant", "isnt", "arent", "wasnt",
             "doesnt", "hardly", "barely", "instead", "rather", "except", "lacks", "lacking", "absent", "free", "less")
MIRRORED = ("mirror", "revers", "backward", "flipped", "illegibl")
READABLE = ("readab", "normal", "legibl")


def marker_seen(value):
    """LM, LR, RM, RR: at which side of the screen the marker is (left, right), and whether it is mirror writing or readable."""
    text = " ".join(value) if isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value) else value
    text = text.casefold().replace("\u2019", "'") if isinstance(text, str) else ""
    text = re.sub(r"back[\s\-]+to[\s\-]+front", "mirrored", text)
    where, how, negated, unclear = set(), set(), False, False
    words = re.findall(r"[a-z]+(?:'[a-z]+)?", text)
    for place, word in enumerate(words):
        prefix = re.match(r"(?:un|non)(?=mirror|revers|flip|read|leg)", word)
        stem = word[prefix.end():] if prefix else word
        found = "M" if stem.startswith(MIRRORED) else "R" if stem.startswith(READABLE) else ""
        if stem in ("read", "reads") and "be" in words[max(place - 1, 0):place]:
            found = "R"
        if word in NEGATIONS or word.endswith("n't"):
            negated = not negated
        elif found:
            # "Not in mirror writing" is the opposite, and so is "unreadable".
            opposite = (negated + bool(prefix) + stem.endswith("less")) % 2 == 1
            how.add({"M": "R", "R": "M"}[found] if opposite else found)
            negated = False
        elif word in ("left", "right"):
            where.add(word)
            unclear |= negated
        elif re.search("mirror|revers|flip|readab|legib|normal", word):
            unclear = True  # "semimirrored"
        elif negated and word not in ("in", "a", "any", "as", "is", "be", "been", "the", "at", "all", "written", "really"):
            unclear = True
    if len(where) != 1 or len(how) != 1 or negated or unclear:
        raise ValueError("say in plain words where the marker is and whether it is mirrored or readable, such as \"left readable\" or "
                         '"right mirrored"')
    return where.pop()[0].upper() + how.pop()


def verdict(value):
    """ok, mirrored, wrong view or wrong side."""
    text = re.sub(r"[\s_\-]+", "", value).strip("'\".").casefold() if isinstance(value, str) else ""
    known = {"ok": "ok", "okay": "ok", "fine": "ok", "correct": "ok", "right": "ok", "none": "ok", "mirrored": "mirrored",
             "flipped": "mirrored", "mirror": "mirrored", "wrongview": "wrong view", "view": "wrong view", "viewwrong": "wrong view",
             "plane": "wrong view", "wrongplane": "wrong view", "wrongside": "wrong side", "side": "wrong side", "sidewrong": "wrong side",
             "laterality": "wrong side", "wronglaterality": "wrong side", "wrongmarker": "wrong side"}
    if text not in known:
        raise ValueError("a verdict is ok, mirrored, wrong view or wrong side")
    return known[text]


def film_number(value):
    """A film's number as text, from 3, "3" or "film 3"."""
    return str(int(re.sub(r"(?i)^\s*film\s*#?", "", str(value)).strip(" .:")))


def _side_and_view(text):
    """["L", "MLO"] from "L MLO", "L, MLO" or "LMLO"."""
    return re.sub(r"(?i)^([lr])(cc|mlo)$", r"\1 \2", text.strip()).replace(",", " ").split()


class Films(Table):
    """A table with a row for each film; forgives a Series of its words by film, and {film: {column: word}} or {film: "L MLO"}, and a list
    of words in the order of the films.
    """

    def read(self, given):
        """The table as Rows."""
        value = given
        if type(given) in (list, tuple) and given and all(type(word) is str and word.strip() for word in given):
            numbered = {number: word for number, word in enumerate(given, 1)}
            value = numbered if "view" not in self.reading or all(len(_side_and_view(word)) == 2 for word in given) else given
        if is_library(given, "pandas", "Series"):
            series = sys.modules["pandas"].Series(given)
            value = dict(zip(plain(series.index), plain(series), strict=True))
        if type(value) is dict and value:
            rows = list(value.values())
            if all(type(row) is dict for row in rows):
                return super().read([{"film": film, **row} for film, row in value.items()])
            sided = [_side_and_view(row) if type(row) is str else [] for row in rows]
            if all(len(row) == 2 for row in sided) and "view" in self.reading:
                return super().read([(film, *row) for film, row in zip(value, sided, strict=True)])
        return super().read(value)


# --- the inputs


@lesson.input
def ticket_film(hospital):
    """The chest of the ticket: mirrored, or of somebody whose organs lie the other way round."""
    return TicketFilm(hospital.seed)


class TicketFilm(Film):
    """A chest with the heart to the left of the screen, for one of two reasons."""

    def __init__(self, seed):
        super().__init__(seed, "from CR_ER1", "cr_chest_pa", "mirrored", ("L", "F"))
        self._flipped = seed == 0 or Draws(seed, "cpas-03 ticket").one(0, 1) == 1

    @property
    def grey(self):
        grey = super().grey
        if self._flipped:
            return grey
        # The organs change sides, the marker does not: its place and its counterpart are put back as they were.
        original, grey = grey[:, ::-1], grey.copy()
        wide = grey.shape[1]
        for columns in (slice(wide - 96, wide - 24), slice(24, 96)):
            grey[20:84, columns] = original[20:84, columns]
        return grey

    @property
    def text(self):
        where, how = marker_on(self)
        return ("a chest with both lungs side by side, the neck at the top, the heart and the gas of the stomach to the left of the "
                f"screen, the letter L at the top {where}, {how}")


def marker_on(film):
    """Where on the screen the ticket's film has its marker, and how it is written."""
    return ("left", "in mirror writing") if film._flipped else ("right", "readable")


@lesson.input
def films(hospital):
    """Four films whose header has lost Patient Orientation."""
    draws = Draws(hospital.seed, "cpas-03 films")
    turn = ("turned right", "turned left")[draws.one(0, 1)]
    other = ("mirrored", "upside down")[draws.one(0, 1)]
    plan = [("dx_chest_pa", "as sent"), ("dx_chest_lat", "as sent"), ("cr_chest_pa", turn), ("dx_chest_lat", other)]
    return [Film(hospital.seed, label, *one) for label, one in zip("ABCD", plan, strict=True)]


@lesson.input
def heart(hospital):
    """What is known of one heart on its PA film and of the portable exposure that is to come."""
    draws = Draws(hospital.seed, "cpas-03 heart")
    return {
        # A large patient: far enough from the figure's two exposures that its factors, or adding in place of dividing, do not pass,
        # and that no two wrong ways lead to nearly the same width.
        "width_on_pa": 140 + draws.one(0, 16),
        "pa_sid": 1800, "pa_oid": 100 + 5 * draws.one(0, 2),
        "ap_sid": 1000, "ap_oid": 230 + 5 * draws.one(0, 4),
    }


# View Position, code of the view, meaning (PS3.16 CID 4010, CID 4014)
VIEWS = {
    "PA": ("272479007", "postero-anterior"), "AP": ("399348003", "antero-posterior"), "LL": ("399173006", "left lateral"),
    "RL": ("399198007", "right lateral"), "CC": ("399162004", "cranio-caudal"), "MLO": ("399368009", "medio-lateral oblique"),
}


@lesson.input
def view_codes(hospital):
    """Code Value -> the abbreviation of that view."""
    return {code: position for position, (code, _) in VIEWS.items()}


@lesson.input
def views(hospital):
    """View Position and View Code Sequence of sixteen images: a table."""
    import pandas

    draws = Draws(hospital.seed, "cpas-03 views")

    def row(modality, part, position, coded=None, meant=None):
        code = VIEWS[coded][0] if coded else ""
        return modality, part, position, code, VIEWS[meant or coded][1] if coded else ""

    fixed = [
        row("DX", "CHEST", "PA", "PA"), row("DX", "CHEST", "LL", "LL"), row("DX", "CHEST", "AP", "AP"), row("DX", "CHEST", "RL", "RL"),
        row("MG", "BREAST", "CC", "CC"), row("MG", "BREAST", "MLO", "MLO"),
        row("CR", "CHEST", "AP"), row("CR", "CHEST", "PA"), row("MG", "BREAST", "", "MLO"), row("DX", "CHEST", "", "PA"),
        # The code decides; the meaning beside it is for people.
        row("DX", "CHEST", "PA", "AP", "PA"), row("DX", "CHEST", "PA", "PA", "AP"),
        row("DX", "CHEST", "LL", "RL"), row("DX", "CHEST", "AP", "PA"), row("MG", "BREAST", "MLO", "CC"),
    ]
    extra = [row("DX", "CHEST", "RL", "LL"), row("MG", "BREAST", "CC", "MLO"), row("DX", "CHEST", "PA", "LL")][draws.one(0, 2)]
    order = sorted(zip(draws.below(1_000_000, len(fixed) + 1).tolist(), range(len(fixed) + 1), strict=True))
    rows = [[*fixed, extra][place] for _, place in order]
    return pandas.DataFrame([(f"V{number:02d}", *one) for number, one in enumerate(rows, 1)],
                            columns=["image", "modality", "body_part", "view_position", "code_value", "code_meaning"])


@lesson.input
def mammograms(hospital):
    """Four mammograms without markers, two of them flipped by the unit that sent them."""
    draws = Draws(hospital.seed, "cpas-03 mammograms")
    # A right and a left one are flipped, a CC and an MLO; none stands where the usual order would have it.
    names, flips = [
        (("mg_lmlo", "mg_rcc", "mg_lcc", "mg_rmlo"), ("mg_lmlo", "mg_rcc")),
        (("mg_lcc", "mg_rmlo", "mg_lmlo", "mg_rcc"), ("mg_lcc", "mg_rmlo")),
        (("mg_rmlo", "mg_lmlo", "mg_rcc", "mg_lcc"), ("mg_lcc", "mg_rmlo")),
        (("mg_lmlo", "mg_rmlo", "mg_lcc", "mg_rcc"), ("mg_rcc", "mg_lmlo")),
    ][draws.one(0, 3)]
    made = []
    for label, name in zip("1234", names, strict=True):
        move = "mirrored" if name in flips else "as sent"
        made.append(Film(hospital.seed, label, name, move, MOVES[move](*SEEN[name][0]), marker=False))
    return made


PAIRED = ("ANKLE", "WRIST", "SHOULDER", "HAND", "KNEE", "FOOT", "HIP")


@lesson.input
def sides(hospital):
    """Fourteen examinations of the last month: the side as ordered, in the header, and as the lead marker on the film says."""
    import pandas

    draws = Draws(hospital.seed, "cpas-03 sides")
    swapped = {one.facts["study_accession"]: one.facts["ordered_laterality"] for one in hospital.incidents
               if one.id.startswith("A1-12") and one.facts["station_aet"] == "CR_ER1"}
    found = hospital.pacs.sql("""
        SELECT study.accession, series.station_aet AS device, series.body_part, series.laterality AS header
        FROM study JOIN series ON series.study_pk = study.pk
        WHERE series.modality IN ('CR', 'DX') AND series.station_aet IN ('CR_ER1', 'DX_CH1') AND study.deleted = 0
          AND study.accession >= 'A250301' AND study.accession < 'A2505' AND length(study.accession) = 11
          AND series.body_part IS NOT NULL
        ORDER BY study.accession, series.pk""").drop_duplicates("accession")
    swaps = found[found.accession.isin(swapped) & found.header.notna()].head(2)
    told = found[found.header.notna() & found.body_part.isin(PAIRED) & ~found.accession.isin(swapped)]
    silent = found[found.header.isna() & found.body_part.isin(PAIRED) & ~found.accession.isin(swapped)].head(1)
    chests = found[found.header.isna() & found.body_part.isin(("CHEST", "THORAX"))].tail(2)
    count = 14 - len(swaps) - len(silent) - len(chests)
    sound = told.iloc[draws.sample(range(len(told)), count).tolist()]
    rows = []
    for number, one in enumerate(sound.itertuples()):
        same, other = one.header, OPPOSITE[one.header]
        # One was marked with the other side's letter; one has no marker in the picture, one no side in the order, and agree with
        # themselves; of three, each lacks another entry, and the two that are left contradict each other.
        told = {0: (same, same, other), 1: (same, same, ""), 2: ("", same, same), 3: ("", same, other), 4: (same, "", other),
                5: (other, same, "")}.get(number, (same, same, same))
        rows.append((one.accession, one.device, one.body_part, *told))
    for number, one in enumerate(swaps.itertuples()):
        marker = one.header if number == 0 or draws.one(0, 1) else swapped[one.accession]
        rows.append((one.accession, one.device, one.body_part, swapped[one.accession], one.header, marker))
    for one in silent.itertuples():
        rows.append((one.accession, one.device, one.body_part, "R", "", "R"))
    for one in chests.itertuples():
        rows.append((one.accession, one.device, one.body_part, "", "", "L"))
    return pandas.DataFrame(sorted(rows), columns=["accession", "device", "body_part", "ordered", "header", "marker"])


@lesson.input
def chest_stack(hospital):
    """The slices of the chest CT as greys from 0 to 255, the one nearest to the head first: an array (slices, rows, columns)."""
    return _stack(hospital.seed)[0]


@lesson.input
def mr_slice(hospital):
    """A slice of the brain MR, with header and pixels."""
    return hospital.image("mr_brain_t1")[5]


@lesson.input
def odd_series(hospital):
    """The header of a CT series of somebody who lay on the belly."""
    draws = Draws(hospital.seed, "cpas-03 prone")
    first = ("Head First", "Feet First")[draws.one(0, 1)]
    cosines = ([1, 0, 0, 0, 1, 0], [-1, 0, 0, 0, -1, 0])[draws.one(0, 1)]
    return {"PatientPosition": f"{first[0]}FP", "ImageOrientationPatient": cosines}


# film: image, modality, what the header says of the view, Image Laterality
MORNING = {
    "1": ("dx_chest_pa", "DX", "PA, postero-anterior", "U"),
    "2": ("dx_chest_lat", "DX", "LL, left lateral", "U"),
    "3": ("mg_rcc", "MG", "CC, cranio-caudal", "R"),
    "4": ("mg_lmlo", "MG", "MLO, medio-lateral oblique", "L"),
    "5": ("ct axial", "CT", "IOP 1\\0\\0\\0\\1\\0", ""),
    "6": ("ct coronal", "CT", "IOP 1\\0\\0\\0\\0\\-1", ""),
}
OTHER_VIEW = {"1": "LL, left lateral", "2": "PA, postero-anterior", "3": "MLO, medio-lateral oblique", "4": "CC, cranio-caudal",
              "5": "IOP 1\\0\\0\\0\\0\\-1", "6": "IOP 1\\0\\0\\0\\1\\0"}
OTHER_LETTERS = {"5": ("L", "F"), "6": ("L", "P")}  # of slices the viewer computes the letters from that orientation


def _faults(seed):
    """Film -> its verdict, of the morning's six: each fault is there once, and three films are sound."""
    draws = Draws(seed, "cpas-03 morning")
    mirrored = ("1", "5", "6")[draws.one(0, 2)]
    sided = ("3", "4")[draws.one(0, 1)]
    viewed = [film for film in MORNING if film not in (mirrored, sided)]
    viewed = viewed[draws.one(0, len(viewed) - 1)]
    return {film: {mirrored: "mirrored", sided: "wrong side", viewed: "wrong view"}.get(film, "ok") for film in MORNING}


@lesson.input
def morning(hospital):
    """Six images of the morning, with the letters that the viewer writes from the header."""
    made = []
    for label, (image, *_) in MORNING.items():
        fault = _faults(hospital.seed)[label]
        letters = OTHER_LETTERS.get(label, SEEN[image][0]) if fault == "wrong view" else SEEN[image][0]
        made.append(Film(hospital.seed, label, image, "mirrored" if fault == "mirrored" else "as sent", letters))
    return made


@lesson.input
def morning_headers(hospital):
    """What the headers of these six say: a table."""
    import pandas

    rows = []
    for label, (_, modality, view, laterality) in MORNING.items():
        fault = _faults(hospital.seed)[label]
        rows.append((label, modality, OTHER_VIEW[label] if fault == "wrong view" else view,
                     OPPOSITE[laterality] if fault == "wrong side" else laterality))
    return pandas.DataFrame(rows, columns=["film", "modality", "view_or_orientation", "image_laterality"])


def morning_verdicts(films):
    """Film -> what is wrong with it, as the radiographer in charge found."""
    return _faults(films[0]._seed)


# --- the exercises


LETTER_SAYS = {  # letter: what it means on a film from the front, and on one from the side
    "L": ("the patient's left, where heart and stomach bubble lie", "the patient's left, but that points out of the picture or into it"),
    "R": ("the patient's right, where heart and stomach bubble do not lie",
          "the patient's right, but that points out of the picture or into it"),
    "A": ("the front of the body, but that points out of the picture", "the front of the body, where the breastbone is"),
    "P": ("the back of the body, but that points into the picture", "the back of the body, where the spine is"),
    "H": ("the head: there the neck is seen",) * 2,
    "F": ("the feet: there the dome of the diaphragm and the belly are, away from the neck",) * 2,
}


def _on_edges(label, given, right, get):
    """A sentence on wrong letters of a film: what the first wrong one would mean."""
    if OPPOSITE[given[1]] == given[0] or given[0] == given[1]:
        return "Rows and columns stand across each other, so the two letters can't be of one pair of opposites."
    place = 0 if given[0] != right[0] else 1
    film = next(film for film in get("films") if film.label == label)
    lateral = "chest_lat" in film._image
    return (f"This film is taken from the {'side' if lateral else 'front'}. Your {given[place]} at its {('right', 'bottom')[place]} edge "
            f"would mean {LETTER_SAYS[given[place]][lateral]}. Is that what lies there?")


def _on_contradictions(row, extra):
    """Why an image is not among the contradicting ones, or what to look at when one is missing."""
    if not extra:
        return ("Look every code up in `view_codes`, left and right lateral apart, in the mammograms too, and compare what you find with "
                "View Position.")
    if not row["view_position"] or not row["code_value"]:
        return "One of its two attributes is empty: that is incomplete, but contradicts nothing."
    if VIEWS[row["view_position"]][1] != row["code_meaning"]:
        return ("Only its code *meaning* differs from View Position, and that is a remark for people. A program looks the code value up: "
                "which view is it in `view_codes`?")
    return "Its code value is the code of the same view as its View Position."


def _on_sides(row, extra):
    """Why an examination is not among the contradicting ones, or what to look at when one is missing."""
    if not extra:
        return "Look for a row with an L and an R in any two of the three columns: order and header, header and marker, order and marker."
    if "" in (row["ordered"], row["header"], row["marker"]):
        return "What is filled in its row says the same. An empty entry says nothing, and contradicts nothing."
    return "Order, header and marker of it say the same side."


def _on_mammograms(film, column, given, right, get):
    """A sentence on a wrong side or view of a mammogram."""
    if column == "view":
        return ("The oblique view has the white wedge of the chest muscle in a corner, and the feet among the letters of its bottom edge. "
                "Has this film?")
    return ("Only L or R at the bottom edge tells: down the film one comes towards the middle of the body. The edge of the chest wall "
            "misleads where a film was flipped.")


def _on_the_table(name, given, right, get):
    """A sentence on a wrong edge of the prone series."""
    return {
        "left_edge": "Image Orientation (Patient) begins with the rows: which of its first three numbers is not 0, and is it positive? "
        "That is the direction of the right edge; the left one is the opposite.",
        "bottom_edge": "The columns are the last three of the six numbers: which of them is not 0, and is it positive? Along y lie front "
        "and back, whatever the position was.",
        "table_at": "The third letter of Patient Position says on what the patient lies: that part of the body touches the table. Is it "
        "at the top or at the bottom, by your letters?",
    }[name]


REVIEW_SAYS = {  # verdict given: what it would mean
    "ok": "Then view, side and the letters at the edges would all be true of the picture. Set it beside its line of the table once more.",
    "mirrored": "Then what has a side would lie at the wrong letter, and a marker would be mirror writing. Look for heart, liver or "
    "aorta, and at the marker, where there is one.",
    "wrong view": "Then the picture would show another view or plane than the column view_or_orientation names. What is seen: lungs side "
    "by side or one over the other, a muscle in the corner or none, a slice across or upright?",
    "wrong side": "Then marker and letters would say another side than image_laterality. Has this film a side in the table at all, other "
    "than U?",
}


def _on_the_review(film, column, given, right, get):
    """A sentence on a wrong verdict of the morning's review: what the given one would mean."""
    headers = get("morning_headers").set_index("film")
    if given == "wrong side" and headers.loc[str(film), "image_laterality"] in ("L", "R"):
        return ("Then the marker beside the breast would name another side than image_laterality. Read both once more: do they differ? "
                "And is what you saw perhaps another fault?")
    return REVIEW_SAYS[given]


@lesson.exercise
class EdgesOfFourFilms:
    """What must **Patient Orientation (0020,0020)** be for each of the films A to D, as its pixels are?

    Give for each film two letters, such as `"H R"`: first the direction in the patient in which the rows run (the **right** edge of the
    screen), then the direction in which the columns run (the **bottom** edge). The letters are L, R, A, P, H, F; between them a blank, a
    comma, a slash or DICOM's own backslash.
    """

    answer = Fields("orientation", {label: Text("", reading=two_directions) for label in "ABCD"}, in_order=True, remark=_on_edges)
    points = 2

    def solution(films):
        # You look at the films; a program reads what is seen on them in words, `film.text`. The letters are of right and bottom edge.
        # From the front the heart is at the patient's left, L; from the side the spine is behind, P; the neck is towards the head, H.
        letters_of = {
            "the neck at the top, the heart and the gas of the stomach to the right": "L F",
            "the neck at the top, the breastbone to the left, the spine to the right": "P F",
            "the neck at the right, the heart and the gas of the stomach to the bottom": "H L",     # turned to the right
            "the neck at the left, the heart and the gas of the stomach to the top": "F R",         # turned to the left
            "the neck at the top, the breastbone to the right, the spine to the left": "A F",       # mirrored
            "the neck at the bottom, the breastbone to the right, the spine to the left": "A H",    # upside down
        }
        letters = {}
        for film in films:
            for seen in letters_of:
                if seen in film.text:
                    letters[film.label] = letters_of[seen]
        return letters

    def left_and_top(films):
        return {film.label: " ".join(turned(letter) for letter in edges_seen(film)) for film in films}

    def the_viewers_left(films):
        return {film.label: " ".join(OPPOSITE[a] if a in "LR" else a for a in edges_seen(film)) for film in films}

    def columns_first(films):
        return {film.label: " ".join(reversed(edges_seen(film))) for film in films}

    def as_always_hung(films):
        return {film.label: " ".join(SEEN[film._image][0]) for film in films}

    wrong_ways = {
        left_and_top: "You gave the directions towards the left and the top edge. Patient Orientation names where the rows and the "
        "columns *lead*: from the first pixel to the last, so to the right and downwards (PS3.3 section C.7.6.1.1.1).",
        the_viewers_left: "You took the left of the screen for the patient's left. A chest from the front is looked at as if the patient "
        "faced you: your right hand is at the patient's left. The heart shows where that is.",
        columns_first: "You have the two values in the wrong order. The first is about the rows, so about right and left of the screen; "
        "the second is about the columns.",
        as_always_hung: "Those are the letters of films that hang as usual. Two of the four do not: find where the neck is, then the "
        "heart or the spine, and say what is true of these pixels.",
    }
    hints = [
        "Take one film at a time, and only its right edge: which part of the patient lies in that direction? Then the same for the bottom "
        "edge.",
        "On a film from the front the heart bulges to the patient's left. On a film from the side the spine is posterior. The neck is "
        "where the head is.",
        "Look at the picture of the body: each letter stands at the edge to which one goes. Where a film is turned, its letters turn with "
        "it: if the neck points to the right edge, the first letter is H.",
    ]
    praise = ("A viewer that knows these two letters can turn a film upright by itself; with wrong ones it writes L at the patient's "
              "right.")


@lesson.exercise
class HeartOnThePortable:
    """The heart in `heart` is `width_on_pa` mm wide on the PA film. How wide would the **same heart** be on the portable
    **AP** film, in mm?

    To the nearest millimetre is enough.
    """

    answer = Number("width_on_ap", unit="mm", tolerance=0.6)

    def solution(heart):
        true_width = heart["width_on_pa"] * (heart["pa_sid"] - heart["pa_oid"]) / heart["pa_sid"]
        return true_width * heart["ap_sid"] / (heart["ap_sid"] - heart["ap_oid"])

    def enlarged_twice(heart):
        return heart["width_on_pa"] * heart["ap_sid"] / (heart["ap_sid"] - heart["ap_oid"])

    def other_way_round(heart):
        pa = heart["pa_sid"] / (heart["pa_sid"] - heart["pa_oid"])
        return heart["width_on_pa"] * pa / (heart["ap_sid"] / (heart["ap_sid"] - heart["ap_oid"]))

    def by_the_distances_alone(heart):
        return heart["width_on_pa"] * heart["pa_sid"] / heart["ap_sid"]

    def over_the_wrong_distance(heart):
        pa, ap = heart["pa_sid"] / heart["pa_oid"], heart["ap_sid"] / heart["ap_oid"]
        return heart["width_on_pa"] / pa * ap

    def factors_of_the_figure(heart):
        return heart["width_on_pa"] * (1800 - 70) / 1800 * 1000 / (1000 - 130)

    def factor_of_the_figure(heart):
        return heart["width_on_pa"] * 1000 / (1000 - 130)

    def true_width_by_the_figure(heart):
        return heart["width_on_pa"] * (heart["pa_sid"] - heart["pa_oid"]) / heart["pa_sid"] * 1000 / (1000 - 130)

    def difference_added(heart):
        pa, ap = heart["pa_sid"] / (heart["pa_sid"] - heart["pa_oid"]), heart["ap_sid"] / (heart["ap_sid"] - heart["ap_oid"])
        return heart["width_on_pa"] * (1 + ap - pa)

    def enlarged_as_on_the_pa(heart):
        return heart["width_on_pa"] * heart["pa_sid"] / (heart["pa_sid"] - heart["pa_oid"])

    def sid_over_oid_alone(heart):
        return heart["width_on_pa"] * heart["ap_sid"] / heart["ap_oid"]

    def shares_subtracted(heart):
        pa, ap = heart["pa_oid"] / heart["pa_sid"], heart["ap_oid"] / heart["ap_sid"]
        return heart["width_on_pa"] * (1 + ap - pa)

    def in_metres(heart):
        return HeartOnThePortable.solution(heart) / 1000

    def same_width(heart):
        return heart["width_on_pa"]

    def true_width_only(heart):
        return heart["width_on_pa"] * (heart["pa_sid"] - heart["pa_oid"]) / heart["pa_sid"]

    wrong_ways = {
        enlarged_twice: "You enlarged the width on the PA film once more. The PA film is enlarged itself: first go back to the heart, "
        "then on to the AP film.",
        other_way_round: "This heart has become smaller. On the portable the tube is nearer and the heart further from the detector: both "
        "make the shadow larger.",
        by_the_distances_alone: "You compared the two distances of the tube alone. What counts is how the distance to the detector "
        "compares with the distance to the *heart*: SID / (SID - OID).",
        over_the_wrong_distance: "You divided SID by OID. The shadow is larger than the heart by SID / (SID - OID), because the heart "
        "lies SID - OID from the tube.",
        factors_of_the_figure: "You took the enlargements of the figure. This heart lies at other distances: work them out from `heart`.",
        factor_of_the_figure: "You multiplied by the 1.15 of the figure. That is the AP film of another heart, at other distances; and the "
        "width on the PA film is enlarged already: first go back to the heart itself.",
        true_width_by_the_figure: "The step back to the heart is right. Then you took the enlargement 1.15 of the figure, whose heart lies "
        "at other distances: work it out from `ap_sid` and `ap_oid`.",
        difference_added: "You added the difference of the two enlargements. They are factors: divide by the one for PA, then multiply by "
        "the one for AP.",
        enlarged_as_on_the_pa: "You multiplied by the enlargement of the PA film. The width on it is enlarged already: divide by it, and "
        "you have the heart itself; then comes the AP film.",
        sid_over_oid_alone: "You multiplied by SID / OID. The shadow is larger than the heart by SID / (SID - OID), and before that the "
        "way leads back from the PA film to the heart.",
        shares_subtracted: "You took OID / SID of both and the difference of the two. The enlargement is SID / (SID - OID), and two of "
        "them are factors: divide by the one, multiply by the other.",
        in_metres: "A thousand times too small: is that in metres? Asked are millimetres.",
        same_width: "That would need two films of the same geometry. Here both the tube's distance and the heart's place differ.",
        true_width_only: "That is the width of the heart itself. The portable film shows its shadow, which is larger again.",
    }
    hints = [
        "Two steps: from the PA film back to the heart, and from the heart to the AP film.",
        "The shadow is SID / (SID - OID) times as wide as the heart. So divide by that number for PA, and multiply by it for AP.",
        '`true_width = heart["width_on_pa"] * (heart["pa_sid"] - heart["pa_oid"]) / heart["pa_sid"]` is the first step. The second goes '
        "the other way round, with `ap_sid` and `ap_oid`.",
    ]
    praise = ('The heart has not grown: that is why a report says "AP, portable", and why a prior of the other projection is a poor '
              "comparison.")


@lesson.exercise
class ViewsThatContradict:
    """In which images of `views` do **View Position** and **View Code Sequence** name different views?

    An image in which one of the two is empty contradicts nothing. Answer with a list of the names in the column `image`.
    """

    answer = Pick("contradicting", about="views", column="image", looks="V00", remark=_on_contradictions)

    def solution(views, view_codes):
        coded = views["code_value"].map(view_codes)                     # the view that the code names
        both = coded.notna() & (views["view_position"] != "")           # neither of the two is empty
        return list(views[both & (coded != views["view_position"])]["image"])

    def by_the_meaning(views):
        meant = {meaning: position for position, (_, meaning) in VIEWS.items()}
        return [row.image for row in views.itertuples()
                if row.view_position and row.code_value and meant[row.code_meaning] != row.view_position]

    def empty_ones_too(views, view_codes):
        return [row.image for row in views.itertuples() if view_codes.get(row.code_value, "") != row.view_position]

    def laterals_alike(views, view_codes):
        kinds = {"PA": "frontal", "AP": "frontal", "LL": "lateral", "RL": "lateral"}
        return [
            row.image for row in views.itertuples() if row.view_position and row.code_value
            and kinds.get(view_codes[row.code_value], view_codes[row.code_value]) != kinds.get(row.view_position, row.view_position)
        ]

    def chests_only(views, view_codes):
        return [row.image for row in views.itertuples() if row.modality == "DX" and row.view_position and row.code_value
                and view_codes[row.code_value] != row.view_position]

    def those_that_agree(views, view_codes):
        return [row.image for row in views.itertuples() if view_codes.get(row.code_value) == row.view_position]

    wrong_ways = {
        by_the_meaning: "You compared with the code's meaning. A program reads the code value and its scheme; the meaning beside it is "
        "for people and may be wrong. Look the value up in `view_codes`.",
        empty_ones_too: "Images in which one of the two is empty are in your list. They are incomplete, not contradictory: CR has no View "
        "Code Sequence, and a mammogram needs no View Position.",
        laterals_alike: "You let PA pass for AP, and left for right lateral. They are different views: the beam goes the other way, and "
        "what is near the detector is another side.",
        chests_only: "The chests are right. Mammograms have a view as well.",
        those_that_agree: "Those are the images whose two attributes agree. Asked are the others.",
    }
    hints = [
        "The dictionary `view_codes` gives the abbreviation of a code: `view_codes[\"399348003\"]` is `\"AP\"`.",
        "Go through the rows with both attributes filled, and compare the abbreviation of the code with View Position. Leave code_meaning "
        "alone.",
        "In pandas: `coded = views[\"code_value\"].map(view_codes)`, then the rows where `coded` is there, View Position is not `\"\"` "
        "and the two differ.",
    ]
    praise = ("A hanging protocol that reads the one attribute and a worklist filter that reads the other would put these images in "
              "different places.")


@lesson.exercise
class FourMammograms:
    """Which **breast** and which **view** is each of the four mammograms?

    Give a table with the columns `film` (1 to 4), `side` (L or R) and `view` (CC or MLO).
    """

    answer = Films("mammogram_table", key=["film"], reading={"film": film_number, "side": side, "view": mammogram}, remark=_on_mammograms)
    points = 2

    def solution(mammograms):
        table = []
        for film in mammograms:
            right_edge, bottom_edge = film.letters
            # Down the image one comes towards the middle of the body: to the left in a right breast.
            breast = "R" if "L" in bottom_edge else "L"
            table.append({"film": film.label, "side": breast, "view": "MLO" if "F" in bottom_edge else "CC"})
        return table

    def by_the_chest_wall(mammograms):
        return [{"film": film.label, "side": "R" if film.letters[0] == "P" else "L", "view": "MLO" if "F" in film.letters[1] else "CC"}
                for film in mammograms]

    def letter_is_the_side(mammograms):
        return [{"film": film.label, "side": "L" if "L" in film.letters[1] else "R", "view": "MLO" if "F" in film.letters[1] else "CC"}
                for film in mammograms]

    def views_exchanged(mammograms):
        return [{"film": film.label, "side": "R" if "L" in film.letters[1] else "L", "view": "CC" if "F" in film.letters[1] else "MLO"}
                for film in mammograms]

    def in_the_usual_order(mammograms):
        usual = (("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO"))
        return [{"film": film.label, "side": a, "view": b} for film, (a, b) in zip(mammograms, usual, strict=True)]

    wrong_ways = {
        by_the_chest_wall: "You went by the edge at which the chest wall lies. Hung as usual that works; two of these films were flipped, "
        "and their rows run the other way. The bottom edge still tells the side.",
        letter_is_the_side: "You took the letter at the bottom edge for the side of the breast. It says where one comes to on the way "
        "down: towards the middle of the body, so to the patient's *other* side.",
        views_exchanged: "You exchanged the two views. The oblique one shows the wedge of the chest muscle, and its columns run down to "
        "the feet as well.",
        in_the_usual_order: "That is the order in which the four are usually taken. Nothing here says that they came in it: look at each "
        "film and its letters.",
    }
    hints = [
        "First the view: the oblique one has the white wedge of the chest muscle in a corner, and F in the letters of its bottom edge.",
        "Then the side. In both views, down the image means towards the middle of the body: look for L or R at the bottom edge.",
        "From a right breast, the middle of the body lies in the direction of the patient's left. So the side is the opposite of that "
        "letter.",
    ]
    praise = ("This is what hanging by laterality rests on: the outer half of the breast at the top, and nobody has to trust the order of "
              "arrival.")


@lesson.exercise
class SidesThatDisagree:
    """In which examinations of `sides` do order, header and marker **contradict** each other?

    What is missing contradicts nothing. Answer with a list of accession numbers.
    """

    answer = Pick("disagreeing", about="sides", column="accession", looks="A2503010000", remark=_on_sides)

    def solution(sides):
        found = []
        for row in sides.itertuples():
            told = {row.ordered, row.header, row.marker} - {""}
            if len(told) > 1:
                found.append(row.accession)
        return found

    def order_and_header(sides):
        return [row.accession for row in sides.itertuples() if row.ordered and row.header and row.ordered != row.header]

    def header_and_marker(sides):
        return [row.accession for row in sides.itertuples() if row.header and row.marker and row.header != row.marker]

    def order_and_marker(sides):
        return [row.accession for row in sides.itertuples() if row.ordered and row.marker and row.ordered != row.marker]

    def complete_ones_only(sides):
        return [row.accession for row in sides.itertuples()
                if row.ordered and row.header and row.marker and len({row.ordered, row.header, row.marker}) > 1]

    def missing_too(sides):
        return [row.accession for row in sides.itertuples() if len({row.ordered, row.header, row.marker}) > 1]

    def only_missing(sides):
        return [row.accession for row in sides.itertuples() if "" in (row.ordered, row.header, row.marker)]

    def at_the_er_only(sides):
        return [row.accession for row in sides.itertuples() if row.device == "CR_ER1" and len({row.ordered, row.header, row.marker}) > 1]

    wrong_ways = {
        order_and_header: "You compared order and header alone. Where these two agree, or one is empty, the film may still carry the other "
        "letter, and the marker is the only one of the three that was in the beam with the patient.",
        header_and_marker: "You compared header and marker alone. The order belongs to it: where it says another side than the two, or "
        "than the one that is filled, somebody must ask whether the wrong limb was examined or the order is wrong.",
        order_and_marker: "You compared order and marker alone. A side in the header can contradict either of them, and it is what "
        "programs read.",
        complete_ones_only: "You left out every row with an empty entry. The empty one contradicts nothing, but the two that are filled "
        "can still contradict each other.",
        missing_too: "You counted a missing side as a contradiction. A chest is not paired and has none in order or header; a marker may "
        "lie outside the picture. That is incomplete at most.",
        only_missing: "Those are the incomplete ones. A contradiction needs two entries that say different things.",
        at_the_er_only: "You looked at CR_ER1 alone, and counted its incomplete rows. Compare all rows, by what they say only.",
    }
    hints = [
        "Read each row from `ordered` to `marker` and ignore what is empty. Is there an L *and* an R?",
        "The worked cell shows how `{...} - {\"\"}` keeps the different entries that are filled.",
        "If more than one is left, the row contradicts itself: `len(told) > 1`.",
    ]
    praise = ("Each of them goes to the technologist who did it, before it is read. Which of the three is wrong, the data cannot tell: "
              "the patient can.")


@lesson.exercise
class TheTicket:
    """The film of the ticket: why is the heart at the left of the screen?

    Give the letter as `reason` and, as `marker`, what proves it: where on the **screen** the lead marker is and how it is written, in two
    words such as `"right mirrored"` or `"left readable"`.
    """

    answer = Choice(
        "reason, marker",
        options={
            "A": "The pixels are mirrored: somebody or some program flipped the film.",
            "B": "The organs lie the other way round: dextrocardia with situs inversus.",
            "C": "It is an AP film: the beam came from the front.",
            "D": "The technologist put the marker of the wrong side on the plate; the picture itself is as usual.",
        },
        evidence=Text("marker", reading=marker_seen),
    )
    points = 2

    def solution(ticket_film):
        # You look at the film; a program reads what is seen on it in words, `ticket_film.text`. A flip turns all that is in the picture,
        # the letter too: it changes sides and becomes mirror writing. Beside organs that lie the other way round it stays as it was.
        if "mirror writing" in ticket_film.text:
            found = "A", "left mirrored"
        else:
            found = "B", "right readable"
        return found

    def the_other_reason(ticket_film):
        return ("B" if marker_on(ticket_film)[1] != "readable" else "A"), None

    def beam_from_the_front(ticket_film):
        return "C", None

    def wrong_marker(ticket_film):
        return "D", None

    def other_side(ticket_film):
        letter, seen = ("A", "right mirrored") if marker_on(ticket_film)[1] != "readable" else ("B", "left readable")
        return letter, seen

    def other_writing(ticket_film):
        letter, seen = ("A", "left readable") if marker_on(ticket_film)[1] != "readable" else ("B", "right mirrored")
        return letter, seen

    def other_side_and_writing(ticket_film):
        letter, seen = ("A", "right readable") if marker_on(ticket_film)[1] != "readable" else ("B", "left mirrored")
        return letter, seen

    wrong_ways = {
        the_other_reason: "Look at the letter itself. A flip moves all pixels, the marker too: it changes sides and turns into mirror "
        "writing. A patient whose organs lie the other way round changes nothing about the marker.",
        beam_from_the_front: "AP and PA films hang the same way, as if the patient faced you: the projection enlarges the heart, it does "
        "not move it to the other side.",
        wrong_marker: "A wrong marker changes a letter, not the picture: the heart would be where it usually is. Here the heart itself is "
        "at the unusual side.",
        other_side: "The reason may stand, but the marker is at the other side of the *screen*. Say what you see at your left and right "
        "hand, not at the patient's.",
        other_writing: "Reason and side may stand, but the writing does not go with the reason: a flip mirrors all that is in the "
        "picture, a rare patient mirrors nothing. How is the letter written?",
        other_side_and_writing: "What you say of the marker would prove another reason than yours. Look at the letter once more: at which "
        "hand of yours is it, and how is it written?",
    }
    hints = [
        "Two things to look at: at which side of the screen the letter is, and whether you can read it.",
        "Imagine you flip a sheet of film over on the light box: where does the letter go, and what does it look like then?",
        "If the letter is written as usual, the film was not flipped, and what you see is the patient. If it is mirror writing, and heart "
        "and letter are both at the unusual side, one flip explains all three.",
    ]
    praise = ("What is wrong or rare is proved by the film itself. Had it to be turned, the stored image would stay as it is: a new one, "
              "with a SOP Instance UID of its own, takes its place, from the device or out of quality control, and a note says why.")


def _in_words(vector):
    return ", ".join(f"{part:.2f}" for part in vector)


def _about_plane(iop):
    """The normal of a slice, for somebody whose function names another plane."""
    return f"The normal of this slice is ({_in_words(_normal(iop))}): which of the three is the largest in size, and what is its axis?"


def _about_edges(iop):
    """Rows and columns of a slice, for somebody whose function gives other letters."""
    return (f"The rows of this slice lead along ({_in_words(iop[:3])}), its columns along ({_in_words(iop[3:])}). Which number of each is "
            "the largest in size, what is its axis, and which sign has it?")


@lesson.exercise
class PlaneOf:
    """Write the function `plane_of(iop)`. It gets the six numbers of **Image Orientation (Patient)** as a list and returns `"axial"`,
    `"coronal"` or `"sagittal"`: the plane that is **nearest**, for oblique slices too.
    """

    answer = Function("plane_of", result=asked_as("the name of a plane", Text("", reading=returned(plane))), about=_about_plane)
    points = 2

    def solution(iop):
        row, column = iop[:3], iop[3:]
        normal = [
            row[1] * column[2] - row[2] * column[1],
            row[2] * column[0] - row[0] * column[2],
            row[0] * column[1] - row[1] * column[0],
        ]
        size = [abs(part) for part in normal]
        return ["sagittal", "coronal", "axial"][size.index(max(size))]

    def without_abs(iop):
        normal = _normal(iop)
        return ["sagittal", "coronal", "axial"][normal.index(max(normal))]

    def by_the_row(iop):
        size = [abs(part) for part in iop[:3]]
        return ["axial", "sagittal", "coronal"][size.index(max(size))]

    def coronal_for_sagittal(iop):
        size = [abs(part) for part in _normal(iop)]
        return ["coronal", "sagittal", "axial"][size.index(max(size))]

    def axial_for_sagittal(iop):
        size = [abs(part) for part in _normal(iop)]
        return ["axial", "coronal", "sagittal"][size.index(max(size))]

    def exact_only(iop):
        size = [abs(part) for part in _normal(iop)]
        return ["sagittal", "coronal", "axial"][size.index(max(size))] if max(size) > 0.9999 else "oblique"

    def smallest(iop):
        size = [abs(part) for part in _normal(iop)]
        return ["sagittal", "coronal", "axial"][size.index(min(size))]

    def beyond_a_threshold(iop):
        return _by_threshold(iop)

    def rounded(iop):
        return _by_rounding(iop)

    def main_axes_of_rows_and_columns(iop):
        return _by_main_axes(iop)

    def by_the_column(iop):
        size = [abs(part) for part in iop[3:]]
        return ["sagittal", "axial", "coronal"][size.index(max(size))]

    wrong_ways = {
        without_abs: "You took the largest component of the normal with its sign. A normal may point either way through the slice, so "
        "-0.9 is more than 0.1: compare the sizes, `abs`.",
        by_the_row: "You went by the rows alone. In axial and in coronal slices the rows run the same way, from right to left; only rows "
        "and columns together tell the plane: the normal.",
        coronal_for_sagittal: "Coronal and sagittal are exchanged. The normal of a sagittal slice runs along x, from side to side; that "
        "of a coronal one along y, from front to back.",
        axial_for_sagittal: "You found the largest component, but axial and sagittal are exchanged. The three lie along x, y and z, in "
        "this order: the normal of a sagittal slice runs along x, from side to side; that of an axial one along z, from feet to head.",
        exact_only: "Your function gives up on tilted slices. Asked is the nearest plane: the largest component decides.",
        smallest: "You took the smallest component. The normal stands upright on the slice, so the direction in which it is *longest* "
        "names the plane.",
        beyond_a_threshold: "You ask whether a component is beyond a fixed number. In a slice that leans in two directions all three may "
        "be below 0.7, or two beyond 0.5: compare the three with each other.",
        rounded: "You rounded. In a slice that leans by nearly 45 degrees two components of the normal become 1, and the first one wins: "
        "compare them as they are.",
        main_axes_of_rows_and_columns: "You took the main axis of the rows and that of the columns, and the third for the plane. In a "
        "slice that leans in two directions both may lie mainly along the same axis, or the third be the wrong one: compute the normal.",
        by_the_column: "You went by the columns alone. In coronal and in sagittal slices they run the same way, from head to feet; only "
        "rows and columns together tell the plane: the normal.",
    }
    hints = [
        "Rows are the first three numbers, columns the last three. The worked cell computes the normal from them.",
        "Take the size of each of the three components with `abs`, and find which is the largest.",
        "Largest along x: sagittal. Along y: coronal. Along z: axial. `size.index(max(size))` gives 0, 1 or 2.",
    ]
    praise = "With this you can check each series description in the archive that claims to be \"COR\" against the header."

    def cases(draw):
        return _slices(draw)


@lesson.exercise
class LettersOfASlice:
    """Write the function `edges(iop)`. It gets the six numbers of **Image Orientation (Patient)** and returns two letters as text, such as
    `"L P"`: the main direction at the **right** edge, then at the **bottom** edge.

    The letters are L, R, A, P, H, F; for an oblique slice, the direction that is nearest.
    """

    answer = Function("edges", result=asked_as("the letters of two edges", Text("", reading=returned(two_directions))),
                      about=_about_edges)
    points = 2

    def solution(iop):
        letters = []
        for vector in (iop[:3], iop[3:]):
            size = [abs(part) for part in vector]
            axis = size.index(max(size))
            if vector[axis] > 0:
                letters.append("LPH"[axis])
            else:
                letters.append("RAF"[axis])
        return " ".join(letters)

    def y_to_the_front(iop):
        return " ".join(_letter(vector, "LAH", "RPF") for vector in (iop[:3], iop[3:]))

    def x_to_the_right(iop):
        return " ".join(_letter(vector, "RPH", "LAF") for vector in (iop[:3], iop[3:]))

    def as_in_research(iop):
        return " ".join(_letter(vector, "RAH", "LPF") for vector in (iop[:3], iop[3:]))

    def z_to_the_feet(iop):
        return " ".join(_letter(vector, "LPF", "RAH") for vector in (iop[:3], iop[3:]))

    def largest_with_its_sign(iop):
        return " ".join(_letter_with_sign(vector) for vector in (iop[:3], iop[3:]))

    def left_and_top(iop):
        return " ".join(_letter(vector, "RAF", "LPH") for vector in (iop[:3], iop[3:]))

    def columns_first(iop):
        return " ".join(_letter(vector, "LPH", "RAF") for vector in (iop[3:], iop[:3]))

    def sign_ignored(iop):
        return " ".join(_letter(vector, "LPH", "LPH") for vector in (iop[:3], iop[3:]))

    def first_beyond_half(iop):
        return " ".join(_letter_beyond_half(vector, (0, 1, 2)) for vector in (iop[:3], iop[3:]))

    def last_beyond_half(iop):
        return " ".join(_letter_beyond_half(vector, (2, 1, 0)) for vector in (iop[:3], iop[3:]))

    wrong_ways = {
        y_to_the_front: "Front and back are exchanged. In DICOM y grows towards the back: P.",
        x_to_the_right: "Left and right are exchanged. In DICOM x grows towards the patient's left: L.",
        z_to_the_feet: "Head and feet are exchanged. In DICOM z grows towards the head: H.",
        largest_with_its_sign: "You took the largest number with its sign, so that 0.1 beats -0.9. Compare the sizes, `abs`; only then ask "
        "whether that number is positive.",
        as_in_research: "You worked with x to the right and y to the front, as NIfTI files and many research programs do (RAS). DICOM's "
        "axes are L, P, H.",
        left_and_top: "Those are the letters of the left and the top edge. The numbers say where rows and columns lead: to the right and "
        "downwards.",
        columns_first: "You have the columns first. The first three numbers belong to the rows, which end at the right edge.",
        sign_ignored: "Your function never gives R, A or F. A negative number leads the other way.",
        first_beyond_half: "You took the first number that is beyond 0.5, or that rounds to 1. In a slice that is turned two of the three "
        "may be: 0.6, 0.8, 0 leads mainly along y. Compare their sizes.",
        last_beyond_half: "You took the last number that is beyond 0.5, or that rounds to 1. In a slice that is turned two of the three "
        "may be: 0.8, 0.6, 0 leads mainly along x. Compare their sizes.",
    }
    hints = [
        "Do it for the rows first, `iop[:3]`: which of the three numbers is the largest in size?",
        "Along x a positive number leads to L, a negative to R; along y to P or A; along z to H or F.",
        "`size = [abs(part) for part in vector]`, `axis = size.index(max(size))`; then the letter is `\"LPH\"[axis]` or `\"RAF\"[axis]`.",
    ]
    praise = ("Viewers find the letters at the edges of a slice this way, whatever the patient's position was. On an oblique slice most "
              "write two or three, such as `LA`, the main direction first.")

    def cases(draw):
        return _slices(draw)


@lesson.exercise
class OnTheBelly:
    """`odd_series` holds two attributes of an axial CT series. What does the viewer show?

    Give in `prone` the letter at the **left** edge of the screen, the letter at the **bottom** edge, and as `table_at` where in the
    picture the scanner's table lies: `"top"` or `"bottom"`.
    """

    answer = Fields("prone", {"left_edge": Text("", reading=direction), "bottom_edge": Text("", reading=direction),
                              "table_at": Text("", reading=end_of_the_film)}, in_order=True, remark=_on_the_table)

    def solution(odd_series):
        iop = odd_series["ImageOrientationPatient"]
        left = "R" if iop[0] > 0 else "L"
        bottom = "P" if iop[4] > 0 else "A"
        # The patient lies on the belly, so the table is at the front of the body.
        table = "bottom" if bottom == "A" else "top"
        return {"left_edge": left, "bottom_edge": bottom, "table_at": table}

    def always_head_first_supine(odd_series):
        return {"left_edge": "R", "bottom_edge": "P", "table_at": "bottom"}

    def rows_lead_left(odd_series):
        iop = odd_series["ImageOrientationPatient"]
        bottom = "P" if iop[4] > 0 else "A"
        return {"left_edge": "L" if iop[0] > 0 else "R", "bottom_edge": bottom, "table_at": "bottom" if bottom == "A" else "top"}

    def turned_once_more(odd_series):
        iop = odd_series["ImageOrientationPatient"]
        bottom = "A" if iop[4] > 0 else "P"
        return {"left_edge": "L" if iop[0] > 0 else "R", "bottom_edge": bottom, "table_at": "bottom" if bottom == "A" else "top"}

    wrong_ways = {
        always_head_first_supine: "That would be a patient on the back, shown as usual. Read both attributes: the letters at the edges "
        "come from the six numbers, and where the table is from the last letter of Patient Position, which says on what the patient lies.",
        rows_lead_left: "You gave the direction in which the rows *lead*. They end at the right edge; the left edge is the opposite.",
        turned_once_more: "You turned the letters because of Patient Position. Image Orientation (Patient) is given in the patient's own "
        "axes: it has the position in it already, and nothing is to be turned again.",
    }
    hints = [
        "The letters come from Image Orientation (Patient) alone, by the rule of the exercise before. Your `edges` gives the right and "
        "the bottom edge.",
        "Left is the opposite of right. What is at the bottom of the picture, front or back?",
        "Patient Position ends with P: prone, on the belly. So the table touches the front of the body: look at which edge A is.",
    ]
    praise = "A table in an unusual place is the quickest sign that a patient did not lie on the back; the letters are right all the same."


@lesson.exercise
class MorningReview:
    """Six images of this morning: `morning`, each with the letters that the viewer writes from the header, and `morning_headers`, what the
    headers say of view and side. Which can be read, and what is wrong with the others?

    Give a table with the columns `film` (1 to 6) and `verdict`; a dictionary such as `{8: "ok", 9: "mirrored"}` will do. For each film
    the verdict is one of

    - `"ok"`: none of the three faults below;
    - `"mirrored"`: left and right of the pixels are exchanged, and the letters L and R at the edges are not true of them;
    - `"wrong view"`: the header names another view, or of a slice another plane, than the picture shows;
    - `"wrong side"`: `image_laterality` is another side than the marker in the picture and the letters at the edges say.
    """

    answer = Films("review", key=["film"], reading={"film": film_number, "verdict": verdict}, remark=_on_the_review)
    points = 3

    def solution(morning, morning_headers):
        # You look at the pictures; a program reads what is seen on them in words, `film.text`. Each goes with a view or orientation.
        view_of = {
            "a chest with both lungs side by side": "PA, postero-anterior",
            "the lungs one over the other": "LL, left lateral",
            "no muscle": "CC, cranio-caudal",
            "a white wedge of muscle": "MLO, medio-lateral oblique",
            "a ring of ribs": "IOP 1\\0\\0\\0\\1\\0",                    # axial
            "a trunk from the neck": "IOP 1\\0\\0\\0\\0\\-1",            # coronal
        }
        # What has a side and lies at the viewer's left, where it never does when the letters are true.
        signs_of_a_flip = ["the heart and the gas of the stomach to the left", "beside the spine to the left", "the heart to the left"]
        table = []
        for film in morning:
            header = morning_headers[morning_headers["film"] == film.label].iloc[0]
            view = [view_of[seen] for seen in view_of if seen in film.text][0]
            verdict = "ok"
            if view != header["view_or_orientation"]:
                verdict = "wrong view"
            if header["modality"] == "MG" and f"the letters {header['image_laterality']} " not in film.text:
                verdict = "wrong side"                                      # the marker names the other side
            for sign in signs_of_a_flip:
                if sign in film.text:
                    verdict = "mirrored"
            table.append({"film": film.label, "verdict": verdict})
        return table

    def all_can_be_read(morning):
        return [{"film": film, "verdict": "ok"} for film in morning_verdicts(morning)]

    def heart_at_the_viewers_left(morning):
        swap = {"ok": "mirrored", "mirrored": "ok"}
        return [{"film": film, "verdict": swap.get(found, found) if film in ("1", "5", "6") else found}
                for film, found in morning_verdicts(morning).items()]

    def letters_trusted(morning):
        return [{"film": film, "verdict": "ok" if found == "mirrored" else found} for film, found in morning_verdicts(morning).items()]

    def header_believed_for_the_side(morning):
        return [{"film": film, "verdict": "ok" if found == "wrong side" else found} for film, found in morning_verdicts(morning).items()]

    def side_taken_for_mirrored(morning):
        return [{"film": film, "verdict": "mirrored" if found == "wrong side" else found}
                for film, found in morning_verdicts(morning).items()]

    def views_not_compared(morning):
        return [{"film": film, "verdict": "ok" if found == "wrong view" else found} for film, found in morning_verdicts(morning).items()]

    wrong_ways = {
        all_can_be_read: "You trust all six headers. Three kinds of fault are in there. A wrong side or view may already contradict the "
        "letters at the edges; a flip shows in no header: set each picture beside its own.",
        heart_at_the_viewers_left: "You expect the heart at the left of the screen. The patient faces you or is seen from the feet: the "
        "patient's left is at the right of the screen, on films as in axial and coronal slices.",
        letters_trusted: "The views and sides are right. But the letters at the edges come from the header: they are written at the same "
        "places whatever the pixels show. Find heart, liver or aorta, and compare.",
        header_believed_for_the_side: "You believed Image Laterality for the side. Two things say another side than that column: the "
        "letters written beside the breast, and L or R at the bottom edge, towards which one comes to the middle of the body.",
        side_taken_for_mirrored: "Had the picture been mirrored, what is written beside the breast would be mirror writing. It can be "
        "read: so the picture is true and the entry is not.",
        views_not_compared: "You did not compare the view with the picture: lungs side by side or one over the other, a muscle in the "
        "corner or none; and for slices, the plane that the six numbers name.",
    }
    hints = [
        "Go film by film, with three questions: does the picture show the view that the header names? Is the marker readable, and does it "
        "name the side in the table? Are the letters at the edges true?",
        "For the last question find something that has a side: the heart, the round aorta beside the spine in the axial slice, the liver "
        "in the coronal one. It must lie where the letter says.",
        "Each of the three faults is there once: one film is mirrored, one has the wrong view, one the wrong side.",
    ]
    praise = ("Three films go back to their devices or to quality control before anybody reports on them. That is the morning's most "
              "useful quarter of an hour.")


def _normal(iop):
    a, b = iop[:3], iop[3:]
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def _letter(vector, positive, negative):
    size = [abs(part) for part in vector]
    axis = size.index(max(size))
    return positive[axis] if vector[axis] > 0 else negative[axis]


def _letter_with_sign(vector):
    axis = vector.index(max(vector))
    return "LPH"[axis] if vector[axis] > 0 else "RAF"[axis]


def _letter_beyond_half(vector, order):
    axis = next(axis for axis in order if abs(vector[axis]) > 0.5)
    return "LPH"[axis] if vector[axis] > 0 else "RAF"[axis]


PLANES = ("sagittal", "coronal", "axial")


def _main_axis(vector):
    size = [abs(part) for part in vector]
    return size.index(max(size))


def _by_main_axes(iop):
    axes = {_main_axis(iop[:3]), _main_axis(iop[3:])}
    return "axial" if axes == {0, 1} else "coronal" if axes == {0, 2} else "sagittal"


def _by_threshold(iop):
    size = [abs(part) for part in _normal(iop)]
    return "axial" if size[2] > 0.7 else "coronal" if size[1] > 0.7 else "sagittal"


def _by_rounding(iop):
    return PLANES[[round(abs(part)) for part in _normal(iop)].index(1)]


def _by_the_smallest_share(iop):
    share = [max(abs(a), abs(b)) for a, b in zip(iop[:3], iop[3:], strict=True)]
    return PLANES[share.index(min(share))]


def _by_sizes_put_in_place(iop):
    size = [abs(part) for part in _normal([abs(part) for part in iop])]
    return PLANES[size.index(max(size))]


def _clear(vector):
    first, second, _ = sorted((abs(part) for part in vector), reverse=True)
    return first - second > 0.04


def _slices(draw):
    """Image orientations: each plane both ways round, straight, tilted by up to 50 degrees, turned in itself, and leaning in two
    directions; none of which the nearest plane or letter is in doubt.
    """
    import math

    ways = [((1, 0, 0), (0, 1, 0)), ((-1, 0, 0), (0, 1, 0)), ((-1, 0, 0), (0, -1, 0)), ((1, 0, 0), (0, -1, 0)),
            ((1, 0, 0), (0, 0, -1)), ((-1, 0, 0), (0, 0, -1)), ((1, 0, 0), (0, 0, 1)),
            ((0, 1, 0), (0, 0, -1)), ((0, -1, 0), (0, 0, -1)), ((0, 1, 0), (0, 0, 1))]
    cases = []

    def add(row, column):
        cases.append(([round(float(v), 6) + 0.0 for v in (*row, *column)],))

    def mixed(angle, a, b):
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        return [c * one + s * other for one, other in zip(a, b, strict=True)]

    for number, (row, column) in enumerate(ways):
        add(row, column)
        normal = _normal([*row, *column])
        for across in (True, False):
            # Up to 30 degrees, and on both sides of 45.
            for low, high in ((8, 30), (40, 42), (48, 50)):
                angle = draw.choice((-1, 1)) * draw.randrange(low, high + 1)
                if across:
                    add(row, mixed(angle, column, normal))
                else:
                    add(mixed(angle, row, normal), column)
        # Turned in its own plane, as an MR slice may be.
        angle = (draw.randrange(20, 43), draw.randrange(48, 71))[number % 2]
        add(mixed(angle, row, column), mixed(angle + 90, row, column))

    def leaning(fits):
        """A slice that leans in two directions."""
        while True:
            row, other = ([draw.gauss(0, 1) for _ in range(3)] for _ in range(2))
            row = [part / math.hypot(*row) for part in row]
            normal = _normal([*row, *other])
            normal = [part / math.hypot(*normal) for part in normal]
            column = _normal([*normal, *row])
            if _clear(row) and _clear(column) and _clear(normal) and fits([*row, *column], [abs(part) for part in normal]):
                return add(row, column)

    def nearest(size):
        return PLANES[size.index(max(size))]

    for shortcut in (_by_threshold, _by_rounding, _by_the_smallest_share, _by_sizes_put_in_place):
        for _ in range(3):
            leaning(lambda iop, size, shortcut=shortcut: shortcut(iop) != nearest(size))
    for plane_meant in PLANES:
        leaning(lambda iop, size, plane_meant=plane_meant: nearest(size) == plane_meant and max(size) < 0.7)
    for axis in range(3):  # rows, then columns, whose largest number is small
        leaning(lambda iop, size, axis=axis: max(map(abs, iop[:3])) == abs(iop[axis]) < 0.7)
        leaning(lambda iop, size, axis=axis: max(map(abs, iop[3:])) == abs(iop[3 + axis]) < 0.7)
    draw.shuffle(cases)
    return cases
