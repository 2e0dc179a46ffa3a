"""Exercises of `cpas_08_hanging_protocols`: what a view is, how it lies, and rules that put each image into its place."""

import random
import re
import sys
from functools import lru_cache

from coursekit.checking import Config, Fields, File, Function, Lesson, Number, Outcome, Set, Text, Verdict
from coursekit.checking.kinds.base import Difference
from coursekit.checking.reading import Unclear, Unreadable, is_library, plain
from coursekit.errors import CourseError
from coursekit.hospital import hanging as site_data
from coursekit.standards import hanging, objects
from coursekit.standards.hanging import VIEW_NAMES, code, frame_laterality, modifiers

lesson = Lesson(
    "cpas-08",
    title="Hanging protocols by body part and view code",
    version=1,
    minutes=90,
    objectives=[
        "tell from its header which view an image shows, whatever the device wrote and left out",
        "tell whether an image must be mirrored before it is hung, and choose the prior that belongs beside it",
        "set up a workstation's hanging protocols for chest radiographs and mammograms, so that nothing hangs in a wrong place",
        "fill in a DICOM Hanging Protocol object",
    ],
    covers=["configure hanging protocols at a workstation based on body parts and view codes (PA chest; MLO and CC mammograms)"],
    needs=["cpas-01"],
)

# How the reading-room workstations read headers when they are set up well.
READING = hanging.read_reading({
    "view_from": ["view code", "view position"], "code_schemes": ["SCT", "SRT"], "side_from": ["image laterality", "frame laterality"],
    "intents": ["FOR PRESENTATION"], "special_views": "leave out", "tomosynthesis": "where there is no 2D", "several": "latest",
    "missing": "nothing", "turn": "patient orientation", "prior_modality": "related", "prior_body_part": "same", "prior_years": 5,
})
CHEST = {"modality": ["CR", "DX"], "body_part": ["CHEST", "THORAX", "PORT CXR"]}
WISHES = hanging.read_protocols([
    {"name": "Portable", **CHEST, "views": ["AP"], "grid": [1, 2], "tiles": ["current AP", "prior AP"]},
    {"name": "Chest with prior", **CHEST, "prior": True, "grid": [1, 3], "tiles": ["current PA", "current LAT", "prior PA"]},
    {"name": "Chest", **CHEST, "prior": False, "grid": [1, 2], "tiles": ["current PA", "current LAT"]},
    {"name": "Mammography with prior", "modality": ["MG"], "prior": True, "grid": [2, 4], "tiles": [
        "current RCC", "current LCC", "prior RCC", "prior LCC", "current RMLO", "current LMLO", "prior RMLO", "prior LMLO"]},
    {"name": "Mammography", "modality": ["MG"], "prior": False, "grid": [2, 2], "tiles": [
        "current RCC", "current LCC", "current RMLO", "current LMLO"]},
])
# How WS_MG1 was set up when the ticket came.
NOW = {**READING, "turn": "never", "special_views": "like the plain view", "missing": "next image"}


# --- what the notebook shows

@lru_cache(maxsize=64)
def _thumbnail(seed, name):
    """The greys of one of the hospital's images, small."""
    from coursekit.figures.hanging import small
    from coursekit.figures.image import Display
    from coursekit.hospital.images import image
    return small(Display(image(name, seed)).grey)


def _tile(seed, name, image, mirrored, date=""):
    """A tile as the figure takes it; `date` is the day of the image's study."""
    if image is None:
        return {"name": name, "grey": None, "letters": ("", ""), "tells": ""}
    import numpy as np

    grey = np.full((60, 50), 40, np.uint8) if not image.picture else _thumbnail(seed, image.picture)
    if image.truth == "raw":
        grey = 255 - grey
    if image.truth == "spot":
        grey = grey[grey.shape[0] // 5 : grey.shape[0] * 3 // 5, : grey.shape[1] * 3 // 5]
    shown_mirrored = image.flipped != mirrored
    to = str((image.get("PatientOrientation") or [""])[0])[:1]
    letters = (hanging.OPPOSITE.get(to, ""), to) if to else ("?", "?")
    side = ""
    if image["Modality"] == "MG":
        of = "R" if image.truth.startswith("R") or image.get("ImageLaterality") == "R" else "L"
        side = "right" if (of == "R") != shown_mirrored else "left"
    return {"name": name, "grey": grey[:, ::-1] if shown_mirrored else grey, "letters": letters[::-1] if mirrored else letters,
            "side": side, "tells": ", ".join(filter(None, [image.truth, _day(date)])), "earlier": bool(date) and date < site_data.TODAY,
            "mirrored": mirrored}


def _day(date):
    """A DICOM date as it is read on a screen."""
    return f"{date[:4]}-{date[4:6]}-{date[6:]}" if date else ""


def _dates(case):
    """The day of each image of a constellation, by the image's id."""
    return {id(image): study.date for study in (case.study, *case.others) for image in study.images}


class Workstation:
    """A reading-room workstation and the studies on its list: `list()` tells them, `show(number, protocols)` hangs one on the screen."""

    def __init__(self, hospital):
        self._seed = hospital.seed
        self.cases = site_data.constellations(hospital.seed)

    def __deepcopy__(self, memo):
        return self

    def __repr__(self):
        return f"<a workstation with {len(self.cases)} studies on its list; see .list(), .show(number, protocols)>"

    def list(self):
        """The studies on the list, as a DataFrame."""
        import pandas
        rows = [{"number": number, "accession": case.study.accession, "modality": case.study.modality, "what there is": case.study.says,
                 "others in the archive": len(case.others)} for number, case in enumerate(self.cases, 1)]
        return pandas.DataFrame(rows).set_index("number")

    def number_of(self, words):
        """The number of the study whose line on the list has these words."""
        words = " ".join(words.split()).casefold()
        told = {number: case.study.says for number, case in enumerate(self.cases, 1)}
        found = [number for number, says in told.items() if says.casefold() == words]
        found = found or [number for number, says in told.items() if words and words in says.casefold()]
        if len(found) > 1:
            few = "; ".join(f"{number}, {told[number]}" for number in found[:3]) + (" ..." if len(found) > 3 else "")
            raise CourseError(f"{len(found)} studies on the list have these words ({few}). Give a number.")
        if not found:
            raise CourseError("No study on the list has these words. Give its number, or the words as they stand in workstation.list().")
        return found[0]

    def _case(self, number):
        """(number, the study with that number or those words)."""
        number = self.number_of(number) if isinstance(number, str) else number
        if number not in range(1, len(self.cases) + 1):
            raise CourseError(f"The list has the numbers 1 to {len(self.cases)}.")
        return number, self.cases[number - 1]

    def show(self, number, protocols=None):
        """Hang a study by protocols, or by settings that hold protocols, and draw the screen."""
        if protocols is None:
            raise CourseError("Say by which protocols the study is to hang: `workstation.show(number, protocols)`.")
        if _open(protocols):
            return print("Some places are still open: put your answer in place of each `...`.")
        try:
            if type(protocols) is dict and "protocols" in protocols:
                rules, how = read_settings(protocols)
            else:
                rules, how = hanging.read_protocols(protocols), READING
        except ValueError as problem:
            raise CourseError(f"The workstation can't use these settings: {problem}.") from None
        return self._drawn(number, rules, how)

    def _drawn(self, number, rules, how):
        from coursekit.figures.hanging import screen

        number, case = self._case(number)
        laid = hanging.layout(case.study, case.others, rules, how)
        dates = _dates(case)
        tiles = [_tile(self._seed, f"{tile.which} {tile.view}".strip() or "empty", tile.image, tile.mirrored, dates.get(id(tile.image), ""))
                 for tile in laid.tiles]
        return screen(laid.rows, laid.columns, tiles, f"{number}: {case.study.says}; protocol {laid.protocol}")

    def show_now(self, number):
        """Hang a study as WS_MG1 hangs it today and draw the screen."""
        return self._drawn(number, WISHES, NOW)

    def show_object(self, number, protocol):
        """Hang a study by a DICOM Hanging Protocol object and draw the screen."""
        from coursekit.figures.hanging import screen

        if protocol is ...:
            return print("Some places are still open: put your answer in place of each `...`.")
        number, case = self._case(number)
        if not hanging.suits(protocol, case.study):
            return print(f"Study {number} ({case.study.says}) does not fit the object: no image of it passes the selectors.")
        dates, tiles = _dates(case), []
        sets = sorted(protocol.DisplaySetsSequence, key=lambda one: one.DisplaySetNumber)
        for one, (place, which, image) in zip(sets, hanging.hung_by(protocol, case.study, case.others)):
            views = one.FilterOperationsSequence[0].SelectorCSValue
            name = f"{which or 'no image set'}: {views if isinstance(views, str) else ' or '.join(views)}"
            wanted, lies = one.get("DisplaySetPatientOrientation"), (image or {}).get("PatientOrientation")
            turned = bool(wanted and lies) and hanging.OPPOSITE.get(lies[0][:1]) == wanted[0]
            tiles.append({**_tile(self._seed, name, image, turned, dates.get(id(image), "")), "place": place})
        return screen(1, len(tiles), tiles, f"{number}: {case.study.says}; by the object")


def _open(value):
    """Whether `...` stands anywhere in settings."""
    if type(value) is dict:
        value = list(value.values())
    return value is ... or type(value) is list and any(_open(one) for one in value)


@lesson.input
def workstation(hospital):
    """The workstation WS_MG1 with its list."""
    return Workstation(hospital)


def _row(image):
    """A header in a line of a table."""
    found = code(image, "ViewCodeSequence")
    items = image.get("ViewCodeSequence") or [{}]
    return {
        "Series Description": image.get("SeriesDescription", ""), "Presentation Intent Type": image.get("PresentationIntentType", ""),
        "View Position": image.get("ViewPosition", ""), "View Code": f"{found[0]} {found[1]}".strip(),
        "View Modifier": ", ".join(str(one["CodeMeaning"]) for one in items[0].get("ViewModifierCodeSequence", [])),
        "Image Laterality": image.get("ImageLaterality", ""), "frames": 12 if image.get("SOPClassUID") == hanging.TOMOSYNTHESIS else 1,
    }


def _diagnostic(hospital):
    """The images of a diagnostic mammography, in the order in which they came."""
    draw = random.Random(f"cpas-08 diagnostic {hospital.seed}")
    four = site_data.four_views()
    wrong = draw.choice([0, 1])
    four[wrong] = four[wrong].but(SeriesDescription="L CC" if wrong == 0 else "R CC")
    images = [*four, *(site_data.raw_of(image) for image in four), site_data.mammogram(draw.choice("RL"), "MLO", 6, "spot", "magnified"),
              site_data.mammogram("L", "CC", 7, draw.choice(["rolled", "spot"])), site_data.tomosynthesis("L", "MLO"),
              site_data.mammogram(draw.choice("RL"), "ML", 8)]
    draw.shuffle(images)
    if all(image.truth in ("RCC", "LCC", "RMLO", "LMLO") for image in images[:4]):
        images = images[::-1]
    return [image.but(InstanceNumber=number) for number, image in enumerate(images, 41)]


@lesson.input
def diagnostic(hospital):
    """The images of one mammography as a table: what their headers say."""
    import pandas
    return pandas.DataFrame([{"image": image["InstanceNumber"], **_row(image)} for image in _diagnostic(hospital)]).set_index("image")


@lesson.input
def headers(hospital):
    """Some headers, a dictionary of pydicom Datasets, to try functions on."""
    four = site_data.four_views()
    found = {
        "MG1": four[0], "Eastcliff": site_data.of_eastcliff(four[2]), "spot": site_data.mammogram("L", "MLO", 5, "spot"),
        "tomosynthesis": site_data.tomosynthesis("L", "MLO"), "chest": site_data.radiograph("LL"),
        "plate": site_data.radiograph("AP", "CR", "PORT CXR"),
    }
    return {name: site_data.dataset(header) for name, header in found.items()}


# --- kinds of answer of this lesson

class TileNumbers(Set):
    """Numbers of a table, also with words beside them; a dictionary from tiles to numbers or rows of the table are as good.

    A number that does not belong there is told with its reason, a tile of a dictionary that got another view's image too.
    """

    def read(self, given):
        """As Set; of a dictionary {tile: number} the numbers, of rows of the table too."""
        if is_library(given, "pandas", "DataFrame"):
            table = sys.modules["pandas"].DataFrame(given)              # whatever a class derived from it says of itself
            given = table if len(table.columns) < 2 else table["image"] if "image" in table.columns else table.index
        if type(given) is dict and given and all(type(one) is str and not one.strip().isdigit() for one in given):
            given = list(given.values())
        if type(given) in (list, tuple, set):
            given = [_number_in(one) if type(one) is str else one for one in given]
        return super().read(given)

    def judge(self, exercise, given, editions):
        """As for every kind; where no wrong way speaks, the first image that does not belong there says why."""
        verdict = super().judge(exercise, given, editions)
        if verdict.correct:
            return self._exchanged(given[0], exercise.lesson.input_of("diagnostic", editions.own)) or verdict
        if verdict.label not in ("extra", "missing"):
            return verdict
        right, answer = self._computed(exercise, exercise.solution, editions), self.read(*given)
        table = exercise.lesson.input_of("diagnostic", editions.own)
        extra = [one for one in answer if one not in right]
        if extra:
            known = {str(number): row for number, row in table.iterrows()}
            reason = _why_not(known[extra[0]]) if extra[0] in known else "there is no such number at the left of the table"
            return Verdict(Outcome.NOT_YET, f"{extra[0]} does not belong there: {reason}.", "extra")
        left = [table.loc[int(one)] for one in right if one not in answer]
        if len(left) == 1 and left[0]["Series Description"] != f"{left[0]['Image Laterality']} {left[0]['View Position']}":
            return Verdict(Outcome.NOT_YET, "One is missing: the one whose Series Description says another side than its Image Laterality. "
                           "The description is free text; it does not throw an image out.", "missing")
        return verdict


    def _exchanged(self, given, table):
        """The verdict on a dictionary of the right numbers in which an image has another view's tile, or None."""
        for one, other in plain(given).items() if type(given) is dict else ():
            names = [re.sub(r"[^A-Z]", "", str(each).upper()) for each in (one, other)]
            tile = next((name for name in names if name in BREAST_TILES), None)
            number = _number_in(str(other if names[0] == tile else one))
            if tile is None or not number.isdigit():
                continue
            row = table.loc[int(number)]
            if tile[1:] != row["View Position"]:
                return Verdict(Outcome.NOT_YET, f"These are the four, but image {number} is no {tile[1:]}. Look at its View Position.",
                               "tile")
            if tile[0] != row["Image Laterality"]:
                return Verdict(Outcome.NOT_YET, f"These are the four, but image {number} is in a tile of the other side. Image Laterality "
                               "decides; the Series Description is free text.", "tile")
        return None


def _number_in(text):
    """The number in a text that holds one only, such as "41 (RCC)"; another text as it is."""
    found = re.fullmatch(r"\D*(\d+)\D*", text)
    return found[1] if found and not re.search(r"[-.]\d", text) else text


def _why_not(row):
    """Why an image of the table has no tile."""
    if row["Presentation Intent Type"] == "FOR PROCESSING":
        return "it is FOR PROCESSING, what the detector measured, and not made for a reader's eye"
    if row["frames"] > 1:
        return "with its many frames it is a tomosynthesis, a stack of slices, and the rule asks for two-dimensional images"
    if row["View Modifier"]:
        return f"it has the modifier {row['View Modifier']}. Its view code is that of the plain view, but it is another picture"
    return f"its view is {row['View Position']}, and that is none of the four"


class OnHeaders(Function):
    """A function of a header; a case is told by what the header says."""

    def _as_written(self, case):
        header, *rest = case
        parts = [f"{name} {_told(header.get(name))}" for name in (
            "Modality", "ViewPosition", "ImageLaterality", "Laterality", "PatientOrientation", "SeriesDescription") if header.get(name)]
        parts += ["PatientOrientation empty"] if "PatientOrientation" in header and not header.get("PatientOrientation") else []
        view, extra = code(header, "ViewCodeSequence"), [one[0] for one in modifiers(header)]
        parts += [f"view code {view[0]} {view[1]}"] if view[0] else []
        parts += [f"modifier {', '.join(extra)}"] if extra else []
        parts += [f"Frame Laterality {frame_laterality(header)}"] if frame_laterality(header) else []
        also = "".join(f" and {one!r}" for one in rest)
        return f"the header with {'; '.join(parts)}{also}"


def _told(value):
    return "\\".join(map(str, value)) if not isinstance(value, str) else value


VIEW_WORDS = ("PA", "AP", "LAT", "RCC", "LCC", "RMLO", "LMLO", "other")


class ViewName(Text):
    """A view's name; a side before a view that has none, one that is missing, and a word that names no tile are told."""

    def difference(self, answer, other):
        """As Text."""
        if answer.casefold() != other.casefold():
            if re.fullmatch(r"[ULR] ?(PA|AP|LAT|other)", answer, re.IGNORECASE):
                return Difference("A letter for the side stands before a view that is neither CC nor MLO. If you ask `view == \"CC\" or "
                                  "\"MLO\"`: a text by itself counts as true, so write `view ==` in both halves.", "value")
            if answer.upper() in ("CC", "MLO"):
                return Difference("A CC or MLO without its side has no tile. Its side comes in front; where the header has none, rule 3 "
                                  "says what to answer.", "value")
            if not _is_word(answer, VIEW_WORDS):
                return Difference("That is none of the eight words. Write them as the question does, without blanks: `\"RCC\"`.", "value")
        return super().difference(answer, other)


def _is_word(answer, words):
    return answer.casefold() in (word.casefold() for word in words)


def about_view(case, returned):
    """What counts in a header whose view was named wrongly, in a sentence."""
    header, = case
    if not _is_word(returned, VIEW_WORDS):
        return None
    if modifiers(header):
        return "It has a modifier: rule 1 comes before everything else."
    found = code(header, "ViewCodeSequence")[0]
    own = str(header.get("ImageLaterality", "")), frame_laterality(header)
    if _named(header) in ("CC", "MLO") and returned.upper() in ("OTHER", *("RL"[one] + _named(header) for one in (0, 1))):
        return (f"Its view is {_named(header)}. Its Image Laterality is {own[0] or 'empty or missing'}, its Frame Laterality "
                f"{own[1] or 'missing'}: rule 3.")
    if found:
        known = "knows" if found in VIEW_NAMES else "does not know"
        return f"It has the code {found}, which `VIEW_NAMES` {known}. The code alone decides (rule 2)."
    return f"It has no code, so the View Position decides (rule 2): {header.get('ViewPosition', '') or 'and that is missing too'}."


MIRROR_WORDS = ("as it is", "mirror", "unknown")


class MirrorWord(Text):
    """One of three words; another is told."""

    def difference(self, answer, other):
        """As Text."""
        if not _is_word(answer, MIRROR_WORDS):
            return Difference("That is none of the three words of the question. Answer with one of them, exactly as it stands there.",
                              "value")
        return super().difference(answer, other)


def about_mirror(case, returned):
    """What a header says of how the image lies, in a sentence."""
    header, view = case
    orientation = header.get("PatientOrientation")
    if not _is_word(returned, MIRROR_WORDS):
        return None
    if not orientation:
        return "Its Patient Orientation is missing or empty, so nothing tells how it lies."
    words = {"A": "anterior, the nipple", "P": "posterior, the chest wall", "L": "the patient's left", "R": "the patient's right"}
    first = str(orientation[0])
    return (f"Its rows lead to {first}: as it is stored, {words.get(first, first)} lies at the right edge of the picture. Is that where it "
            f"belongs for {view}?")


_NONE = "\0None"


class AccessionOrNone(Text):
    """Text, where None is read as well, so that a function that returns it can be told about it."""

    def read(self, given):
        """As Text; None has a word of its own."""
        return _NONE if given is None else super().read(given)

    def difference(self, answer, other):
        """As Text."""
        if _NONE in (answer, other):
            return None if answer == other else Difference("That is Python's None, not a text. Is a `return` missing?", "value")
        return super().difference(answer, other)


def about_prior(case, returned):
    """Why a study of the archive is not the prior that is asked, in a sentence."""
    current, archive = case
    if returned == _NONE:
        return None
    right = [study for study in archive if _fits(current, study)]
    if returned.casefold() == "none":
        if not right:
            return "Nothing suits, that is right; but the text that is asked is `\"none\"`, in lower case."
        best = max(right, key=lambda study: study["date"])
        edge = ". That is exactly five years before, which still counts; as days, it depends on the leap years"
        return (f"But one suits: the {best['modality']} of {_day(best['date'])}"
                f"{edge if best['date'] == _years_before(current['date'], 5) else ''}.")
    study = next((study for study in archive if study["accession"] == returned), None)
    if study is None:
        return "That is no accession number of this archive."
    brackets = " Is the question asked of every study? Where `and` and `or` meet, brackets decide."
    if study["part"] != current["part"]:
        return f"Its part is {study['part']}, and the current study's {current['part']}.{brackets}"
    if study["side"] not in (current["side"], "B"):
        return f"Its side is `{study['side']!r}`, and the current study's `{current['side']!r}`.{brackets}"
    if not _fits(current, {**study, "date": _years_before(current["date"], 1)}):
        return f"Its modality is {study['modality']}, and the current study's {current['modality']}.{brackets}"
    if study["date"] >= current["date"]:
        return f"It is of {_day(study['date'])}, and the current study of {_day(current['date'])}: that is not an earlier day."
    if study not in right:
        return f"It is of {_day(study['date'])}, and the current study of {_day(current['date'])}: that is more than five years."
    return f"It suits, but it is of {_day(study['date'])}, and a newer one suits too. Dates are compared, nothing else."


class Settings(Config):
    """Settings whose template has names in it already: untouched are those in which everything but a name is open."""

    def not_answered(self, given):
        """`...` as a whole, or wherever the template has it."""
        return _untouched(given[0])


def _untouched(value, depth=0):
    if depth > 5:
        return False
    if type(value) is dict:
        inside = [one for name, one in value.items() if name != "name"]
    elif type(value) is list:
        inside = value
    else:
        return value is ...
    return bool(inside) and all(_untouched(one, depth + 1) for one in inside)


class BuiltObject(File):
    """An object that a given function builds from parts; untouched, all parts are open."""

    def __init__(self, variables, reading, parts, free):
        super().__init__(variables, reading, free)
        self.parts = parts

    def read(self, given):
        """As File; the parts are no object."""
        if type(given) is dict:
            raise Unreadable(f"These are parts for `build`. What it makes of them is asked: `{self.variables[0]} = build(...)`.")
        return super().read(given)

    def _computed(self, exercise, function, editions):
        """As for every kind; reading takes a while, so what was read is remembered."""
        return exercise.remembered((self, function), editions.own, lambda: super(BuiltObject, self)._computed(exercise, function, editions))

    def _first_wrong(self, answer, other):
        """As File; the sentence names the argument of `build`."""
        found = super()._first_wrong(answer, other)
        argument = next((name for end, name in _ARGUMENTS.items() if found and found[1] and found[1].endswith(end)), None)
        if argument is None or found[2].label != "value":
            return found
        return *found[:2], Difference(f"`{argument}` is not right: {found[1].split(' > ')[-1]}.", "value")

    def stub(self):
        """The call with its parts open."""
        width = max(len(name) for name in self.parts) + 8
        lines = "\n".join(f"    {name + '=...,':{width}}# {what}" for name, what in self.parts.items())
        return f"{self.variables[0]} = build(\n{lines}\n)"


# --- the exercises

@lesson.exercise
class FourTiles:
    """Which images of the table `diagnostic` belong into the four tiles RCC, LCC, RMLO and LMLO?

    Dr Moreau's rule: the plain two-dimensional views, as processed for the reader. Answer with the numbers at the left of the table,
    a list in any order: `for_tiles = [..., ..., ...]`.
    """

    answer = TileNumbers("for_tiles", named=("image",))
    praise = (
        "Twelve objects, and four of them hang. A workstation has to make this choice from the same columns, in every study. (One of the "
        "four has the other side in its Series Description. For the workstation Image Laterality decides; what proves the side is the "
        "marker in the image, so at work somebody would look at it.)"
    )

    def solution(diagnostic):
        found = []
        for number, row in diagnostic.iterrows():           # row by row
            plain = row["Presentation Intent Type"] == "FOR PRESENTATION" and row["View Modifier"] == "" and row["frames"] == 1
            if plain and (row["View Position"] == "CC" or row["View Position"] == "MLO"):
                found.append(number)
        return found

    def raw_too(diagnostic):
        table = diagnostic
        return list(table.index[(table["View Modifier"] == "") & (table["frames"] == 1) & table["View Position"].isin(["CC", "MLO"])])

    def special_too(diagnostic):
        table = diagnostic
        plain = (table["Presentation Intent Type"] == "FOR PRESENTATION") & (table["frames"] == 1)
        return list(table.index[plain & table["View Position"].isin(["CC", "MLO"])])

    def any_two_dimensional(diagnostic):
        table = diagnostic
        plain = (table["Presentation Intent Type"] == "FOR PRESENTATION") & (table["View Modifier"] == "") & (table["frames"] == 1)
        return list(table.index[plain])

    def tomosynthesis_too(diagnostic):
        table = diagnostic
        plain = (table["Presentation Intent Type"] != "FOR PROCESSING") & (table["View Modifier"] == "")
        return list(table.index[plain & table["View Code"].str.startswith(("399162004", "399368009"))])

    def described_otherwise_left_out(diagnostic):
        table = diagnostic.loc[FourTiles.solution(diagnostic)]
        return list(table.index[table["Series Description"] == table["Image Laterality"] + " " + table["View Position"]])

    def first_four(diagnostic):
        return list(diagnostic.index[:4])

    wrong_ways = {
        raw_too: "Your list has images FOR PROCESSING. They are what the detector measured, for CAD and for processing anew; a reader "
        "would see pale pictures with dark glands, and each view twice.",
        special_too: "Your list has views with a modifier: a spot, a magnified or a rolled view. They have the same view code as the "
        "plain view, and would take its tile.",
        any_two_dimensional: "ML is a view of its own, strictly from the side, and no MLO: it has another code. It is an additional view "
        "and has no tile among the four.",
        tomosynthesis_too: "The object with many frames is a tomosynthesis. Its view code is that of the plain view; what it is, its "
        "frames and its SOP class say.",
        described_otherwise_left_out: "You left out the image whose Series Description says another side than its Image Laterality. The "
        "description is free text; it does not throw an image out.",
        first_four: "Those are the first four by number. Instance Number is the order in which a device counted; it says nothing about "
        "the view.",
    }
    hints = [
        "Go through the columns: intent, modifier, frames, and only then the view.",
        "Strike out what is FOR PROCESSING, what has a modifier, and what has more than one frame.",
        "Of what is left, those with View Position CC or MLO. Do not go by the Series Description: somebody typed it.",
    ]


@lesson.exercise
class ViewOf:
    """Write `view_of(header)`: the view that an image shows, as tiles name it.

    1. Any **modifier**: `"other"`.
    2. The view: from the View Code Sequence, in the new codes or in the old ones; where there is **no code at all**, from the View
       Position. When the two disagree, the code counts. A code or a word that `VIEW_NAMES` does not know is `"other"`.
    3. For CC and MLO the side comes in front, as in `"RCC"`: from the Image Laterality; where that is missing or empty, from the Frame
       Laterality (no image has both); without either, `"other"`. The series' Laterality is never asked.

    A raw image has its view like any other: whether it may hang is another question, and not asked here.

    So the answers are `"PA"`, `"AP"`, `"LAT"`, `"RCC"`, `"LCC"`, `"RMLO"`, `"LMLO"` or `"other"`. It will be tried on headers of four
    devices.
    """

    answer = OnHeaders("view_of", result=ViewName(), remark=about_view)
    points = 3
    praise = "That is what a workstation does with each image before a protocol is even looked at."

    def solution(header):
        if len(modifiers(header)) > 0:
            return "other"
        found = code(header, "ViewCodeSequence")[0]
        if found == "":
            found = header.get("ViewPosition", "")
        view = VIEW_NAMES.get(found, "other")
        if view == "CC" or view == "MLO":
            side = header.get("ImageLaterality", "")
            if side == "":
                side = frame_laterality(header)
            if side == "":
                return "other"
            return side + view
        return view

    def position_only(header):
        return _by(header, lambda: VIEW_NAMES.get(header.get("ViewPosition", ""), "other"))

    def new_codes_only(header):
        found, scheme = code(header, "ViewCodeSequence")
        return _by(header, lambda: VIEW_NAMES.get(found if scheme == "SCT" else header.get("ViewPosition", ""), "other"))

    def unknown_code_passed_over(header):
        known = VIEW_NAMES.get(code(header, "ViewCodeSequence")[0], "")
        return _by(header, lambda: known or VIEW_NAMES.get(header.get("ViewPosition", ""), "other"))

    def modifiers_ignored(header):
        return _by(header, lambda: _named(header), special=True)

    def one_modifier_alone(header):
        return _by(header, lambda: _named(header), special=len(modifiers(header)) > 1)

    def empty_is_a_side(header):
        side = header.get("ImageLaterality")
        if side is None:
            return _by(header, lambda: _named(header), side=frame_laterality(header))
        return "other" if modifiers(header) else side + _named(header) if _named(header) in ("CC", "MLO") else _named(header)

    def empty_has_no_side(header):
        side = header.get("ImageLaterality")
        return _by(header, lambda: _named(header), side=frame_laterality(header) if side is None else side)

    def side_of_the_series(header):
        side = header.get("Laterality", "") or _own_side(header)
        return _by(header, lambda: _named(header), side=side)

    def by_description(header):
        text = header.get("SeriesDescription", "").replace(" ", "").replace("DBT", "")
        return text if text in hanging.TILED else "other"

    def position_first(header):
        position = VIEW_NAMES.get(header.get("ViewPosition", ""), "")
        return _by(header, lambda: position or _named(header))

    def series_as_fallback(header):
        return _by(header, lambda: _named(header), side=_own_side(header) or header.get("Laterality", ""))

    def every_view_sided(header):
        side = _own_side(header)
        return "other" if modifiers(header) or not side else side + _named(header)

    def every_known_view_sided(header):
        return "other" if modifiers(header) or _named(header) == "other" or not _own_side(header) else _own_side(header) + _named(header)

    def from_the_front_is_pa(header):
        return ViewOf.solution(header).replace("AP", "PA")

    def no_frame_side(header):
        return _by(header, lambda: _named(header), side=header.get("ImageLaterality", ""))

    wrong_ways = {
        position_only: "Only View Position ever decides: the View Code Sequence is not asked, or its code is never found. Eastcliff's unit "
        "writes no View Position; there the code speaks (PS3.3 C.8.11.7 makes that one mandatory). And `code(...)` is a pair: what "
        "`VIEW_NAMES` knows is its first part, `[0]`.",
        position_first: "Where View Position and code disagree, you believe the View Position. The rule has the code first, and the word "
        "only where there is no code.",
        unknown_code_passed_over: "Where the code is one that `VIEW_NAMES` does not know, you go on to the View Position. But a code is "
        "there, and it counts: it says another view, such as the straight lateral ML, so the answer is `\"other\"`.",
        series_as_fallback: "Where an image has neither Image Laterality nor Frame Laterality, you take the series' Laterality after all. "
        "A series with both breasts has one value for all its images, so the rule says `\"other\"`.",
        every_view_sided: "Every view gets a side in front, the chest too, whose Image Laterality is U. Is your question "
        "`view == \"CC\" or \"MLO\"`? A text by itself counts as true; both halves need `view ==`.",
        every_known_view_sided: "The chest gets a letter in front of its view, which is for CC and MLO alone. If you ask "
        "`view == \"CC\" or \"MLO\"`: a text by itself counts as true, so write `view ==` in both halves.",
        new_codes_only: "The old images speak in codes of the scheme SRT, such as R-10242. They mean the same; a prior of ten years ago "
        "will not be written anew.",
        modifiers_ignored: "A spot, rolled or implant-displaced view comes out as a plain view. It has the same view code; the View "
        "Modifier Code Sequence inside the item makes the difference.",
        one_modifier_alone: "An image with **two** modifiers comes out as a plain view, such as a spot view that is magnified too. Any "
        "modifier makes it another picture: ask for `len(modifiers(header)) > 0`.",
        empty_is_a_side: "Where Image Laterality is there, but empty, you put the empty text in front of the view. Empty says as little as "
        "missing; the rule goes on to the Frame Laterality, and without that to `\"other\"`.",
        empty_has_no_side: "Where Image Laterality is there, but empty, you do not go on to the Frame Laterality. Empty says as little as "
        "missing; `header.get(\"ImageLaterality\", \"\")` gives `\"\"` for both.",
        side_of_the_series: "You take Laterality (0020,0060). It belongs to the series; where a series has both breasts, it is wrong for "
        "half of the images. Image Laterality (0020,0062) is the image's own.",
        by_description: "You read the Series Description. It is free text, typed or left as it was: on some devices it says nothing, on "
        "some the wrong thing.",
        from_the_front_is_pa: "An AP comes out as a PA. In a portable AP the heart is nearer to the tube and looks wider: a reader who "
        "thinks that it is a PA sees a large heart that is none.",
        no_frame_side: "Tomosynthesis has no Image Laterality at its top level: its side is Frame Laterality, in a functional group. "
        "`frame_laterality(header)` gets it.",
    }
    hints = [
        "Begin with the pattern above the exercise and put the modifier in front of it: `if len(modifiers(header)) > 0: return \"other\"`.",
        "`found = code(header, \"ViewCodeSequence\")[0]`; when that is `\"\"`, `found = header.get(\"ViewPosition\", \"\")`. Then look it "
        "up once: `view = VIEW_NAMES.get(found, \"other\")`.",
        "The side, for CC and MLO only: `side = header.get(\"ImageLaterality\", \"\")`; when that is `\"\"`, `frame_laterality(header)`; "
        "still `\"\"`: other. Then `return side + view`.",
    ]

    def cases(draw):
        return [(site_data.dataset(header),) for header in _view_cases(draw)]


def _named(header):
    return VIEW_NAMES.get(code(header, "ViewCodeSequence")[0] or header.get("ViewPosition", ""), "other")


def _own_side(header):
    return header.get("ImageLaterality", "") or frame_laterality(header)


def _by(header, view, special=False, side=None):
    """`view_of` with one part done in another way."""
    if modifiers(header) and not special:
        return "other"
    found = view()
    if found not in ("CC", "MLO"):
        return found
    side = _own_side(header) if side is None else side
    return side + found if side else "other"


def _coded(value, scheme, meaning):
    return site_data.Header({"CodeValue": value, "CodingSchemeDesignator": scheme, "CodeMeaning": meaning})


def _view_cases(draw):
    four = site_data.four_views()
    found = [*four, *map(site_data.of_eastcliff, four), site_data.tomosynthesis("L", "MLO"), site_data.tomosynthesis("R", "CC")]
    found += [site_data.mammogram(draw.choice("RL"), "MLO", 5, one) for one in ("spot", "implant")]
    found += [site_data.mammogram(draw.choice("RL"), view, 5, "spot", "magnified") for view in ("MLO", "CC")]
    found += [site_data.tomosynthesis("L", "MLO").but(ImageLaterality=""), four[draw.choice([0, 2])].but(ImageLaterality="")]
    found += [site_data.mammogram(draw.choice("RL"), "CC", 6, "rolled"), site_data.mammogram(draw.choice("RL"), "ML", 7)]
    found += [image.but(Laterality="L") for image in draw.sample(four, 2)] + [four[0].but(Laterality="L")]
    found += [four[draw.choice([0, 1])].but(SeriesDescription="R MLO"),
              site_data.tomosynthesis("L", "MLO").but(SharedFunctionalGroupsSequence=None)]
    found += [four[0].but(ViewPosition="MLO"), four[3].but(ViewPosition="CC")]
    found += [four[2].but(ViewCodeSequence=site_data.view_code("ML")), four[1].but(ViewCodeSequence=None)]
    found += [four[draw.choice([1, 3])].but(ImageLaterality=None, Laterality="R"),
              site_data.tomosynthesis("L", "MLO").but(SharedFunctionalGroupsSequence=None, Laterality="L")]
    found += [site_data.radiograph(view, modality) for view in ("PA", "AP", "LL") for modality in ("DX", "CR")]
    found += [site_data.radiograph("AP", "CR", "PORT CXR").but(SeriesDescription="PA"),
              site_data.radiograph("PA", "CR").but(ViewPosition=None)]
    found += [site_data.radiograph("LL").but(ViewPosition=None)]
    # Old codes of chests and of a modifier, a modifier of a chest, View Positions alone, raw images.
    found += [site_data.radiograph(view).but(ViewPosition=None, ViewCodeSequence=site_data.view_code(view, scheme="SRT"))
              for view in ("PA", "AP", "LL")]
    found += [site_data.radiograph("LL").but(ViewPosition=None, ViewCodeSequence=[_coded(*right)])
              for right in (("R-10232", "SRT", "right lateral"), ("399198007", "SCT", "right lateral"))]
    found += [site_data.of_eastcliff(four[one]).but(ViewCodeSequence=site_data.view_code("MLO", "spot", scheme="SRT")) for one in (2, 3)]
    angled = site_data.view_code("AP")
    angled[0]["ViewModifierCodeSequence"] = [_coded("399196006", "SCT", "cephalad")]
    found += [site_data.radiograph("AP").but(ViewCodeSequence=angled)]
    found += [site_data.radiograph("LL", "CR").but(ViewPosition=word) for word in ("RL", "LAT")]
    found += [site_data.radiograph("PA").but(ViewCodeSequence=None)]
    found += [site_data.raw_of(four[draw.randrange(4)]), site_data.raw_of(site_data.radiograph("PA"))]
    draw.shuffle(found)
    return found


@lesson.exercise
class Mirror:
    """Write `mirror(header, view)`: must the image be mirrored from left to right before it hangs?

    `view` is what `view_of` said: `"RCC"`, `"RMLO"`, `"LCC"`, `"LMLO"`, `"PA"` or `"AP"`. Return `"as it is"`, `"mirror"`, or, when the
    header has no Patient Orientation or an empty one, `"unknown"`: then a person must look, and nothing is turned.

    Right breasts hang on the viewer's left, left breasts on the right, with the chest walls together in the middle. A chest PA or AP
    hangs as if the patient stood in front of you.
    """

    answer = OnHeaders("mirror", result=MirrorWord(), remark=about_mirror)
    points = 2
    praise = "Where the device says how the image lies, the workstation can put it right; where it does not, no rule can."

    def solution(header, view):
        wanted = {"RCC": "P", "RMLO": "P", "LCC": "A", "LMLO": "A", "PA": "L", "AP": "L"}
        orientation = header.get("PatientOrientation")
        if not orientation:
            return "unknown"
        if orientation[0] == wanted[view]:
            return "as it is"
        return "mirror"

    def all_right_ones(header, view):
        return "unknown" if not header.get("PatientOrientation") else "mirror" if view in ("RCC", "RMLO") else "as it is"

    def chest_walls_outside(header, view):
        wanted = {"RCC": "A", "RMLO": "A", "LCC": "P", "LMLO": "P", "PA": "L", "AP": "L"}
        return _turned(header, wanted[view])

    def left_is_left(header, view):
        wanted = {"RCC": "P", "RMLO": "P", "LCC": "A", "LMLO": "A", "PA": "R", "AP": "R"}
        return _turned(header, wanted[view])

    def second_value(header, view):
        orientation = header.get("PatientOrientation")
        return "unknown" if not orientation else "as it is" if orientation[1][0] == "F" else "mirror"

    def the_other_way_round(header, view):
        return {"mirror": "as it is", "as it is": "mirror"}.get(Mirror.solution(header, view), "unknown")

    def both_values(header, view):
        orientation = header.get("PatientOrientation")
        wanted = {"R": ["P", "L"], "L": ["A", "R"]}.get(view[0], ["L", "F"])
        return "unknown" if not orientation else "as it is" if list(orientation) == wanted else "mirror"

    def chests_never_turned(header, view):
        found = Mirror.solution(header, view)
        return "as it is" if view in ("PA", "AP") and found == "mirror" else found

    def ap_like_its_letters(header, view):
        wanted = {"RCC": "P", "RMLO": "P", "LCC": "A", "LMLO": "A", "PA": "L", "AP": "R"}
        return _turned(header, wanted[view])

    def pa_from_behind(header, view):
        wanted = {"RCC": "P", "RMLO": "P", "LCC": "A", "LMLO": "A", "PA": "R", "AP": "L"}
        return _turned(header, wanted[view])

    def half_a_question(header, view):
        return _turned(header, "P")

    def empty_is_mirrored(header, view):
        return "mirror" if header.get("PatientOrientation") == "" else Mirror.solution(header, view)

    def silence_is_consent(header, view):
        found = Mirror.solution(header, view)
        return "as it is" if found == "unknown" else found

    wrong_ways = {
        all_right_ones: "You mirror every right breast. Those of MG1 lie right already, Eastcliff's are stored flipped: every third case "
        "would hang the wrong way. Ask the header how the image lies, not which breast it is.",
        chest_walls_outside: "Now the nipples meet in the middle. A right breast hangs at the left with its chest wall, posterior, at "
        "its *right* edge: where do its rows lead?",
        left_is_left: "Your chests hang with the patient's left on the viewer's left. The patient stands in front of you: the heart's "
        "apex is on your right.",
        second_value: "You look at the second value of Patient Orientation. That is where the *columns* lead, downwards. From left to "
        "right the rows lead, the first value.",
        the_other_way_round: "You have it the other way round: you mirror what lies right and leave what lies wrong. When the first "
        "value is already the letter that is wanted, nothing is to be done.",
        both_values: "You compare both values. The second is where the columns lead: in an MLO obliquely, such as FL, so that a good "
        "image counts as wrong. Mirroring from left to right concerns the first value alone.",
        chests_never_turned: "You leave each chest as it is. Where the rows of a chest lead to R, somebody or some software has turned "
        "the image and recorded it: it must be turned back, so that they lead to L.",
        ap_like_its_letters: "Your AP hangs the other way round than your PA. The beam comes from the other side, but both hang as if the "
        "patient stood in front of you.",
        pa_from_behind: "Your PA hangs as seen from behind. The beam comes from there, but the reader looks at every chest as if the "
        "patient stood in front: the patient's left at the right edge.",
        half_a_question: "You want P for every view. Is your question `view == \"RCC\" or \"RMLO\"`? A text by itself counts as true, so "
        "that all views go this way; write `view ==` in both halves.",
        empty_is_mirrored: "An empty Patient Orientation says nothing, as a missing one does (it is of type 2C: may be empty when "
        "unknown). You compare it with the letter, find another, and mirror.",
        silence_is_consent: "Where the header says nothing you hang the image as it is, as if it had said that it is right. It may be "
        "mirrored; say that it is not known.",
    }
    hints = [
        "Patient Orientation has two values: where a row leads, from left to right, and where a column leads, from top to bottom. "
        "Mirroring from left to right concerns one of them.",
        "A right breast at the viewer's left has its chest wall at its right edge. So its rows should lead to ... (A anterior, P "
        "posterior). The left breast the other way; a chest from the front has the patient's left at its right edge.",
        "A dictionary from the view to the letter that should come first, `wanted = {\"RCC\": ..., ...}`; then compare "
        "`header.get(\"PatientOrientation\")[0]` with `wanted[view]`, after the question whether it is there and not empty: `if not "
        "orientation:`.",
    ]

    def cases(draw):
        return [(site_data.dataset(header), view) for header, view in _mirror_cases(draw)]


def _turned(header, wanted):
    orientation = header.get("PatientOrientation")
    return "unknown" if not orientation else "as it is" if orientation[0] == wanted else "mirror"


def _mirror_cases(draw):
    four = site_data.four_views()
    images = [*four, *map(site_data.of_eastcliff, four), four[draw.randrange(4)].but(PatientOrientation=None)]
    images += [image.but(PatientOrientation="") for image in (four[0], four[3], site_data.radiograph("AP", "CR"))]
    images += [image.but(PatientOrientation=[]) for image in (four[1], site_data.radiograph("PA"))]
    images += [four[1].but(PatientOrientation=["P", "R"]), four[3].but(PatientOrientation=["P", "FR"])]
    images += [four[2].but(PatientOrientation=["P", "L"]), four[3].but(PatientOrientation=["A", "R"])]     # told more coarsely
    for view, modality in (("PA", "DX"), ("PA", "CR"), ("AP", "CR")):
        image = site_data.radiograph(view, modality)
        images += [image, image.but(PatientOrientation=["R", "F"])]
    images.append(site_data.radiograph("PA", "CR").but(PatientOrientation=None))
    draw.shuffle(images)
    return [(image, image.truth) for image in images]


@lesson.exercise
class PriorFor:
    """Write `prior_for(current, archive)`: the **accession number** of the study to hang beside the current one, or `"none"`.

    Both are plain data: `current` is a dictionary, `archive` a list of them, each with `accession`, `date` ("20250407"), `modality`,
    `part` and `side` (`"R"`, `"L"`, `"B"` for both; `""` where there is only one, or where nobody noted it). The prior

    - is of the same part **and** of the same side, or of both sides: these contain the one. A hand without a side is no prior of a
      right hand: it may be the left;
    - is of the same modality, where CR and DX count as one;
    - is of an earlier **day**, at most **five years** before the current one (the same day five years before still counts);
    - is the newest of those.

    No two studies that suit are of the same day. An accession number is a name and no date: in which order they come says nothing.
    """

    answer = Function("prior_for", result=AccessionOrNone(case=True), remark=about_prior)
    points = 3
    praise = "This is the question that a prefetch rule asks as well: what will the reader want beside it?"

    def solution(current, archive):
        wanted = current["modality"]
        if wanted == "CR":
            wanted = "DX"
        oldest = str(int(current["date"]) - 50000)
        best_date = ""
        best = "none"
        for study in archive:
            kind = study["modality"]
            if kind == "CR":
                kind = "DX"
            if study["part"] != current["part"] or kind != wanted:
                continue
            if study["side"] != current["side"] and study["side"] != "B":
                continue
            if study["date"] < oldest or study["date"] >= current["date"]:
                continue
            if study["date"] > best_date:
                best_date = study["date"]
                best = study["accession"]
        return best

    def newest_of_all(current, archive):
        return _newest(archive, lambda study: study["date"] < current["date"])

    def same_letters(current, archive):
        return _newest(archive, lambda study: _fits(current, study) and study["modality"] == current["modality"])

    def other_side_too(current, archive):
        return _newest(archive, lambda study: _fits(current, {**study, "side": current["side"]}))

    def however_old(current, archive):
        return _newest(archive, lambda study: _fits(current, study, years=99))

    def of_today_too(current, archive):
        return _newest(archive, lambda study: _fits(current, {**study, "date": _before(study["date"], current["date"])}))

    def last_in_the_list(current, archive):
        found = [study for study in archive if _fits(current, study)]
        return found[-1]["accession"] if found else "none"

    def first_in_the_list(current, archive):
        found = [study for study in archive if _fits(current, study)]
        return found[0]["accession"] if found else "none"

    def modality_ignored(current, archive):
        return _newest(archive, lambda study: _fits(current, {**study, "modality": current["modality"]}))

    def part_ignored(current, archive):
        return _newest(archive, lambda study: _fits(current, {**study, "part": current["part"]}))

    def brackets_missing_in_a_row(current, archive):
        return _newest(archive, lambda study: study["part"] == current["part"] and study["side"] == current["side"] or
                       study["side"] == "B" and _fits(current, {**study, "part": current["part"]}))

    def plates_beside_all(current, archive):
        return _newest(archive, lambda study: _fits(current, {**study, "modality": current["modality"]})
                       and study["modality"] in (current["modality"], "CR", "DX"))

    def both_is_another_side(current, archive):
        return _newest(archive, lambda study: _fits(current, study) and study["side"] == current["side"])

    def edge_left_out(current, archive):
        return _newest(archive, lambda study: _fits(current, study) and study["date"] > _years_before(current["date"], 5))

    def by_calendar_year(current, archive):
        return _newest(archive, lambda study: _fits(current, study, years=99) and int(current["date"][:4]) - int(study["date"][:4]) <= 5)

    def one_side_for_both(current, archive):
        return _newest(archive, lambda study: _fits(current, study if current["side"] != "B" else {**study, "side": "B"}))

    def brackets_missing(current, archive):
        return _newest(archive, lambda study: _fits(current, study) or study["side"] == "B" and _fits(
            current, {**study, "part": current["part"]}))

    def none_itself(current, archive):
        found = PriorFor.solution(current, archive)
        return None if found == "none" else found

    def the_oldest(current, archive):
        found = [study for study in archive if _fits(current, study)]
        return min(found, key=lambda study: study["date"])["accession"] if found else "none"

    def from_today_on(current, archive):
        yesterday = _before(current["date"], current["date"])
        return _newest(archive, lambda study: _fits(current, {**study, "date": min(study["date"], yesterday)}))

    wrong_ways = {
        newest_of_all: "You take the newest study of any kind. A hand beside a chest helps nobody: part, side and kind of image must "
        "agree.",
        same_letters: "You ask for exactly the same modality. CR and DX are two ways to make the same radiograph; after the plate reader "
        "was replaced, no prior would be found.",
        other_side_too: "You hang the left beside the right. For a paired part the side belongs to the question.",
        however_old: "Your prior may be older than five years. A workstation that fetches it keeps the reader waiting for something that "
        "is seldom looked at.",
        of_today_too: "You take studies of the same day. Those are repeats and additional views of the exam that is being read, not what "
        "was before.",
        last_in_the_list: "All your conditions are right, but of several that suit you take the last in the list. The archive is in no "
        "order: keep the date of the best so far and compare.",
        first_in_the_list: "All your conditions are right, but of several that suit you take the first in the list. The archive is in no "
        "order: go through all of it and keep the newest.",
        part_ignored: "A hand counts as a prior of a chest: the part is not asked, or not of every study, because brackets are missing "
        "where `and` and `or` meet.",
        brackets_missing_in_a_row: "`a and b or c and d` is `(a and b) or (c and d)`: what stands on one side of the `or` is not asked on "
        "the other. Put the question about the side into brackets, `(... or ...)`.",
        modality_ignored: "A CT or MR of the same part counts as a prior of a radiograph: the modality is not asked, or not of every "
        "study, because brackets are missing where `and` and `or` meet.",
        plates_beside_all: "A CR or DX counts as a prior of everything, so that a chest CT gets a plate beside it. CR and DX are one with "
        "each *other*; that must be asked of the current study too.",
        both_is_another_side: "You leave out studies of both sides. They contain the side that is read: four views of both breasts are a "
        "prior of the left one.",
        edge_left_out: "The day exactly five years before is left out. *At most* includes it. (If you count days: five times 365 is "
        "a day or two less than five years.)",
        by_calendar_year: "Everything of the calendar year five years ago counts for you, also what is older than five years by months. "
        "A year by itself is not enough: compare whole dates.",
        one_side_for_both: "The current study has both sides, and you take a prior of one. That lacks half of what is read: of both sides "
        "only another study of both sides is a prior.",
        brackets_missing: "Studies of both sides count for you whatever part they show. `a and b or c` is `(a and b) or c`; what is meant "
        "is `a and (b or c)`, with brackets.",
        none_itself: "Where nothing suits you return None, Python's *nothing*. The text `\"none\"` is asked for: with quotes, in "
        "lower case.",
        the_oldest: "You take the oldest that suits. The reader compares with the last exam first.",
        from_today_on: "Your prior may be later than the current study. When an older study is opened again, the newest in the archive "
        "came *after* it.",
    }
    hints = [
        "Go through the archive with `for study in archive:` and keep the best so far: `best_date = \"\"` and `best = \"none\"` in the "
        "beginning.",
        "Dates written as year, month, day sort as text. `str(int(current[\"date\"]) - 50000)` is the same day five years earlier, so "
        "`oldest <= study[\"date\"] < current[\"date\"]`.",
        "The side: `(study[\"side\"] == current[\"side\"] or study[\"side\"] == \"B\")`, in brackets, because `and` stands beside it. Or "
        "ask one question after another and go on with `continue`, as in the cell above.",
        "CR and DX: `kind = study[\"modality\"]`, then `if kind == \"CR\": kind = \"DX\"`; the same with the current study's modality, and "
        "compare the two. The last condition: `study[\"date\"] > best_date`.",
    ]

    def cases(draw):
        return _prior_cases(draw)


def _fits(current, study, years=5):
    kinds = {"CR": "X-ray", "DX": "X-ray"}
    return (study["part"] == current["part"] and study["side"] in (current["side"], "B")
            and kinds.get(study["modality"], study["modality"]) == kinds.get(current["modality"], current["modality"])
            and _years_before(current["date"], years) <= study["date"] < current["date"])


def _years_before(date, years):
    return str(int(date) - 10000 * years)


def _before(date, day):
    return str(int(day) - 1) if date == day else date


def _newest(archive, suits):
    found = [study for study in archive if suits(study)]
    return max(found, key=lambda study: study["date"])["accession"] if found else "none"


def _prior_cases(draw):
    found = []
    kinds = (("DX", "CHEST", ""), ("CR", "CHEST", ""), ("DX", "HAND", "R"), ("DX", "KNEE", "L"), ("MG", "BREAST", "B"),
             ("MG", "BREAST", "L"), ("CT", "CHEST", ""))
    for modality, part, side in kinds:
        def study(years, modality=modality, part=part, side=side, day=None):
            date = str(day) if day else f"{2025 - years}{draw.randrange(1, 4):02d}{draw.randrange(1, 29):02d}"
            return {"accession": f"A{date[2:]}{draw.randrange(1000, 9999)}", "date": date, "modality": modality, "part": part, "side": side}

        today = study(0, day=20250400 + draw.randrange(2, 28))
        related = {"CR": "DX", "DX": "CR"}.get(modality, modality)
        good, older, oldest = study(1), study(3), study(7)
        sames = [study(0, day=int(today["date"]))]
        later = study(0, day=int(today["date"]) + 200)
        elsewhere = study(0, part="FOOT", side="R", day=int(today["date"]) - 1)
        other_kind = study(0, modality="MR", day=int(today["date"]) - 1)
        other = {"R": "L", "L": "R"}.get(side)
        sided = [study(0, side=other, day=int(today["date"]) - 1)] if other else []
        yesterday = int(today["date"]) - 1
        beside = [study(0, modality=one, day=day) for one, day in (("CR", yesterday), ("DX", None)) if modality not in ("CR", "DX")]
        edge, over = study(0, day=_years_before(today["date"], 5)), study(0, day=int(_years_before(today["date"], 5)) - 1)
        archives = ([good, older, elsewhere, other_kind, *sided, oldest], [oldest, elsewhere], [oldest, study(2, modality=related), *sames],
                    [*sames, older], [older, good, later], [], [edge, over], [over], *([older, one] for one in beside), beside,
                    *([older, study(1, side="B")] for _ in sided), *([study(2, side="B")] for _ in sided),
                    [older, study(1, part="FOOT", side="B")], *([older, study(1, side=one)] for one in "RL" if side == "B"),
                    # an older one with a later accession number, limits that are wrong by more or less, a side that nobody noted
                    [good, {**older, "accession": f"E{draw.randrange(1000000, 9999999)}"}],
                    *([study(0, day=f"{month}{draw.randrange(10, 29)}")] for month in ("202010", "202001", "201911")),
                    *([older, study(1, side="")] for _ in sided))
        for archive in archives:
            found.append((today, draw.sample(archive, len(archive))))
        # From a January to another there are five years with two leap days.
        winter = study(0, day=20250100 + draw.randrange(2, 28))
        found.append((winter, [study(0, day=_years_before(winter["date"], 5))]))
    return found


# --- which protocol

RULES_NOW = [
    {"name": "Chest", "modality": ["DX"], "body_part": ["CHEST"]},
    {"name": "Mammography", "modality": ["MG"], "body_part": ["BREAST"]},
    {"name": "Extremity", "modality": ["DX"], "body_part": ["HAND", "KNEE", "FOOT"]},
    {"name": "CT", "modality": ["CT"], "body_part": []},
    {"name": "MR", "modality": ["MR"], "body_part": []},
]
_PROPOSALS = (
    {"name": "Portable", "modality": ["CR"], "body_part": ["PORT CXR"]},
    {"name": "Thorax", "modality": ["CR", "DX"], "body_part": ["THORAX"]},
    {"name": "Plates", "modality": ["CR"], "body_part": ["CHEST"]},
    {"name": "Breast of others", "modality": ["MG"], "body_part": []},
    {"name": "All digital", "modality": ["DX"], "body_part": []},
)


def first_rule(study, rules):
    """The name of the first rule that fits a study's modality and body part; "Default" when none does."""
    for rule in rules:
        if all(not rule[name] or study[name] in rule[name] for name in ("modality", "body_part")):
            return rule["name"]
    return "Default"


@lesson.input
def studies(hospital):
    """Sixty studies of a day as a list of dictionaries: accession, modality, body_part, images."""
    return [{"accession": one.accession, "modality": one.modality, "body_part": one.body_part, "images": len(one.images)}
            for one in site_data.site(hospital.seed)]


@lesson.input
def rules_now(hospital):
    """The rules that are in force: a list of dictionaries, the first that fits counts."""
    return [dict(rule) for rule in RULES_NOW]


@lesson.input
def proposals(hospital):
    """Five rules of which one may be added: letter -> rule."""
    order = random.Random(f"cpas-08 proposals {hospital.seed}").sample(_PROPOSALS, len(_PROPOSALS))
    return dict(zip("ABCDE", order))


def _defaults(studies, rules):
    return [study for study in studies if first_rule(study, rules) == "Default"]


def _rescued(studies, rules_now, rule):
    return [study for study in _defaults(studies, rules_now) if first_rule(study, [rule]) != "Default"]


def _letter_of(name, proposals):
    return next(letter for letter, rule in proposals.items() if rule["name"] == name)


def proposal_letter(value):
    """The letter of a proposal, from "a", "(A)", "proposal A" or "A: Portable"; another text as it is."""
    found = re.fullmatch(r"(?i)\W*(?:proposal\s+)?([a-e])\W*|\W*([a-e])(?:\)|\s*[:,.-]).*", str(value))
    return (found[1] or found[2]).upper() if found else " ".join(str(value).split())


class Fallen(Fields):
    """The number and the proposal, which may be told by its name too."""

    def judge(self, exercise, given, editions):
        """As for all Fields, with the letter in place of a proposal's name."""
        value = given[0]
        if type(value) is dict and type(value.get("rescue")) is str:
            named = {rule["name"].casefold(): letter for letter, rule in exercise.lesson.input_of("proposals", editions.own).items()}
            given = ({**value, "rescue": named.get(value["rescue"].strip().casefold(), value["rescue"])},)
        return super().judge(exercise, given, editions)


@lesson.exercise
class FallThrough:
    """With `rules_now`, how many of the sixty `studies` fall through to the **Default** protocol, and which one of the `proposals`,
    put at the **end** of the rules, would leave the fewest of them there?

    - `default`: the number of studies;
    - `rescue`: the letter of the proposal, in quotes.
    """

    answer = Fallen("fallen", {"default": Number(""), "rescue": Text("", reading=proposal_letter)})
    points = 2
    praise = "A day's list, counted: that is how one finds out which rule is worth writing next."

    def solution(studies, rules_now, proposals):
        default = 0
        for study in studies:
            if first_rule(study, rules_now) == "Default":
                default = default + 1
        fewest = len(studies)
        rescue = ""
        for letter in proposals:
            left = 0
            for study in studies:
                if first_rule(study, rules_now + [proposals[letter]]) == "Default":
                    left = left + 1
            if left < fewest:
                fewest = left
                rescue = letter
        return {"default": default, "rescue": rescue}

    def images(studies, rules_now, proposals):
        fallen = _defaults(studies, rules_now)
        most = max(proposals, key=lambda letter: sum(study["images"] for study in _rescued(studies, rules_now, proposals[letter])))
        return {"default": sum(study["images"] for study in fallen), "rescue": most}

    def those_that_fit(studies, rules_now, proposals):
        right = FallThrough.solution(studies, rules_now, proposals)
        return {**right, "default": len(studies) - right["default"]}

    def fits_most(studies, rules_now, proposals):
        right = FallThrough.solution(studies, rules_now, proposals)
        most = max(proposals, key=lambda letter: sum(first_rule(study, [proposals[letter]]) != "Default" for study in studies))
        return {"default": right["default"], "rescue": most}

    def spelling_only(studies, rules_now, proposals):
        chest = [study for study in _defaults(studies, rules_now) if study["body_part"] in ("THORAX", "CHEST")]
        most = _letter_of("Thorax", proposals)
        return {"default": len(chest), "rescue": most}

    def left_after_the_rescue(studies, rules_now, proposals):
        right = FallThrough.solution(studies, rules_now, proposals)
        return {**right, "default": len(_defaults(studies, [*rules_now, proposals[right["rescue"]]]))}

    def empty_part_forgotten(studies, rules_now, proposals):
        right = FallThrough.solution(studies, rules_now, proposals)
        return {**right, "default": sum(one["body_part"] != "" for one in _defaults(studies, rules_now))}

    def rescues_the_nameless(studies, rules_now, proposals):
        return {**FallThrough.solution(studies, rules_now, proposals), "rescue": _letter_of("Breast of others", proposals)}

    def rescues_thorax(studies, rules_now, proposals):
        return {**FallThrough.solution(studies, rules_now, proposals), "rescue": _letter_of("Thorax", proposals)}

    def rescues_plates(studies, rules_now, proposals):
        return {**FallThrough.solution(studies, rules_now, proposals), "rescue": _letter_of("Plates", proposals)}

    wrong_ways = {
        images: "You counted images. A hanging protocol is chosen once for a study.",
        those_that_fit: "You counted the studies that a rule **fits**. Asked are the others, for which none does: they fall through.",
        fits_most: "That proposal fits the most studies, but earlier rules take them first. What counts is how many of "
        "those in Default it reaches.",
        spelling_only: "You looked at the chests with another spelling alone. More falls through than that: portable ones, and studies "
        "without any body part.",
        left_after_the_rescue: "That is what would be left in Default *with* your proposal. Asked is the number with the rules as they are "
        "now.",
        empty_part_forgotten: "You left out the studies with an empty body part. The rule for mammography asks for BREAST; an empty value "
        "is not that, so they fall through too.",
        rescues_the_nameless: "That proposal takes the mammographies without a body part. They are many images, but few studies; count "
        "how many of those in Default each proposal reaches.",
        rescues_thorax: "That proposal takes those that write THORAX. Another spelling of a chest is more frequent among those in Default.",
        rescues_plates: "That proposal takes plates that write CHEST. Most plates here write something else: count the body parts of "
        "those in Default.",
    }
    hints = [
        "`first_rule(study, rules)` says the name of the rule that a study gets. Count those for which it is \"Default\".",
        "`[study for study in studies if first_rule(study, rules_now) == \"Default\"]` is the list of them; `len(...)` its length.",
        "The same with `rules_now + [proposals[\"A\"]]`, and so on for each letter. The one with the fewest left is asked.",
    ]


# --- settings that are judged on constellations

BREAST_TILES = {"RCC", "LCC", "RMLO", "LMLO"}


def _outcome(protocols, reading, hospital, modalities, wishes=WISHES, strangers=()):
    """[(what the study is, what hangs, what should hang)] for each constellation of some modalities.

    strangers : modalities of studies that must not get tiles for breasts; what else hangs them does not matter
    """
    found = []
    for case in site_data.constellations(hospital.seed):
        strange = case.study.modality in strangers
        if case.study.modality not in modalities and not strange:
            continue
        got, wanted = (hanging.layout(case.study, case.others, rules, how) for rules, how in ((protocols, reading), (wishes, READING)))
        if strange and not any(tile.view in BREAST_TILES for tile in got.tiles):
            got = wanted
        found.append([case.study.says, _hangs(case, got), _hangs(case, wanted)])
    return found


def _hangs(case, layout):
    """Rows x columns, and for each tile (which study's, what image, mirrored or not): plain data."""
    dates = {id(image): study.accession for study in (case.study, *case.others) for image in study.images}
    tiles = []
    for tile in layout.tiles:
        image = tile.image
        tiles.append(None if image is None else [dates[id(image)], image.truth, image.flipped != tile.mirrored])
    return [f"{layout.rows} x {layout.columns}", tiles, layout.protocol == hanging.DEFAULT]


def _faults(outcome):
    """Sentences about what hangs wrong, those of the first studies first."""
    return [f"{says[0].upper()}{says[1:]}: {_fault(got, wanted)}." for says, got, wanted in outcome if got[:2] != wanted[:2]]


def _fault(got, wanted):
    if got[2] and not wanted[2]:
        return "none of your protocols fits it, so that its first image fills the screen"
    if wanted[2]:
        return "one of your protocols takes it, though none on the wish sheet is meant for it"
    if got[0] != wanted[0]:
        return f"it hangs in {got[0]} tiles, and the wish sheet has another layout for such a study"
    place, (is_there, belongs) = next((number, pair) for number, pair in enumerate(zip(got[1], wanted[1]), 1) if pair[0] != pair[1])
    if is_there is None:
        return f"tile {place} stays empty, although there is an image for it"
    if belongs is None:
        return f"tile {place} should be empty; it shows {_in_words(is_there[1])}"
    if is_there[1] != belongs[1]:
        return f"tile {place} shows {_in_words(is_there[1])}, which does not belong there"
    if is_there[0] != belongs[0]:
        return f"tile {place} shows an image of another study than it should"
    return f"the image in tile {place} hangs the wrong way round"


def _in_words(truth):
    words = {"raw": "a raw image, made for processing", "spot": "a spot view", "implant": "a view with the implant displaced",
             "other": "an image of another kind", "specimen": "the radiograph of a specimen"}
    if "tomo" in truth:
        return f"the {truth.removesuffix(' tomo')} of a tomosynthesis"
    return words.get(truth, f"the {truth}" if truth in hanging.TILED else truth)


@lesson.exercise
class ChestProtocols:
    """Set up the three chest protocols of WS_CH1 by Dr Moreau's wish sheet. The **first** protocol whose conditions a study meets is used.

    | | when | tiles, from left to right |
    | --- | --- | --- |
    | 1 | the study has an AP view (portable) | current AP, prior AP |
    | 2 | any other chest radiograph, and there is a prior | current PA, current lateral, prior PA |
    | 3 | any other chest radiograph without a prior | current PA, current lateral |

    Chest radiographs come from DX_CH1 (`DX`) and CR_ER1 (`CR`), and their devices write three different body parts: look at `studies`.
    Either may be taken AP, for a patient in bed. CT and extremities must not be taken.

    `views`, where a protocol has it, is a list: one of these views must be in the study. `grid` is `[rows, columns]`. It is tried on the
    studies of your workstation and of others. (An AP beside an AP is the wish of this house: with a PA as the only prior the tile of
    protocol 1 stays empty. Many readers would rather see the PA there.)
    """

    answer = Settings("chest_protocols", reading=hanging.read_protocols, template="""chest_protocols = [
    {
        "name": "Portable chest",
        "modality": ...,          # a list
        "body_part": ...,         # a list: each spelling that the headers have (capitals don't matter)
        "views": ...,             # a list
        "grid": ...,              # [rows, columns]
        "tiles": ...,             # a list such as ["current PA", "prior LAT"]
    },
    {
        "name": "Chest with prior",
        "modality": ...,
        "body_part": ...,
        "prior": ...,             # True: there must be one; False: there must be none
        "grid": ...,
        "tiles": ...,
    },
    {
        "name": "Chest",
        "modality": ...,
        "body_part": ...,
        "prior": ...,
        "grid": ...,
        "tiles": ...,
    },
]""")
    points = 3
    praise = "Every chest hangs where the reader looks for it, a missing lateral leaves its tile empty, and the CT is left alone."

    def solution():
        modality = ["CR", "DX"]
        body_part = ["CHEST", "THORAX", "PORT CXR"]
        return [
            {"name": "Portable chest", "modality": modality, "body_part": body_part, "views": ["AP"],
             "grid": [1, 2], "tiles": ["current AP", "prior AP"]},
            {"name": "Chest with prior", "modality": modality, "body_part": body_part, "prior": True,
             "grid": [1, 3], "tiles": ["current PA", "current LAT", "prior PA"]},
            {"name": "Chest", "modality": modality, "body_part": body_part, "prior": False,
             "grid": [1, 2], "tiles": ["current PA", "current LAT"]},
        ]

    def one_spelling():
        return [{**one, "body_part": ["CHEST"]} for one in ChestProtocols.solution()]

    def portable_one_spelling():
        portable, *rest = ChestProtocols.solution()
        return [{**portable, "body_part": ["PORT CXR"]}, *rest]

    def portable_plates_alone():
        portable, *rest = ChestProtocols.solution()
        return [{**portable, "modality": ["CR"]}, *rest]

    def portable_asks_for_a_prior():
        portable, *rest = ChestProtocols.solution()
        return [{**portable, "prior": True}, *rest]

    def portable_without_a_prior():
        portable, *rest = ChestProtocols.solution()
        return [{**portable, "prior": False}, *rest]

    def portable_without_views():
        portable, *rest = ChestProtocols.solution()
        return [{name: value for name, value in portable.items() if name != "views"}, *rest]

    def portable_spelling_once():
        portable, *rest = ChestProtocols.solution()
        return [portable, *({**one, "body_part": ["CHEST", "THORAX"]} for one in rest)]

    def portable_any_part():
        portable, *rest = ChestProtocols.solution()
        return [{**portable, "body_part": []}, *rest]

    def any_part():
        return [{**one, "body_part": []} for one in ChestProtocols.solution()]

    def swapped():
        portable, with_prior, without = ChestProtocols.solution()
        return [portable, {**with_prior, "tiles": ["prior PA", "current LAT", "current PA"]}, without]

    def digital_only():
        return [{**one, "modality": ["DX"]} for one in ChestProtocols.solution()]

    def any_modality():
        return [{**one, "modality": []} for one in ChestProtocols.solution()]

    def portable_last():
        first, *rest = ChestProtocols.solution()
        return [*rest, first]

    def portable_second():
        first, second, third = ChestProtocols.solution()
        return [second, first, third]

    def ap_as_pa():
        portable, *rest = ChestProtocols.solution()
        return [{**portable, "tiles": ["current PA", "prior PA"]}, *rest]

    def prior_not_asked():
        portable, with_prior, without = ChestProtocols.solution()
        return [portable, {**with_prior, "prior": None}, without]

    def trial(protocols, hospital):
        # A protocol more, for other parts alone, is no matter of the wish sheet.
        chests = [one for one in protocols if not one["body_part"] or set(one["body_part"]) & set(CHEST["body_part"])]
        # With and without a prior it hangs alike whether the first protocol stands too late or refuses a prior: this tells them apart.
        refused = any(one["prior"] is False and "current AP" in one["tiles"] for one in chests)
        return {"hangs": _outcome(chests, READING, hospital, ("CR", "DX", "CT")), "AP without a prior alone": refused}

    def faults(outcome):
        return _faults(outcome["hangs"])

    wrong_ways = {
        one_spelling: "Your protocols ask for CHEST alone. Body Part Examined is what the device or its operator writes; this site has "
        "three spellings of a chest, and a protocol knows only those in its list.",
        digital_only: "The plates of CR_ER1 get no protocol: their modality is CR. For the reader a radiograph is a radiograph.",
        portable_one_spelling: "Your first protocol knows PORT CXR alone. An AP is also made under the two other spellings of a chest; "
        "those fall to the next protocols, which have no tile for an AP.",
        portable_plates_alone: "Your first protocol takes plates alone. An AP in bed may be digital, DX; it then falls to the next "
        "protocols, which have no tile for it.",
        portable_asks_for_a_prior: "Your first protocol asks for a prior. The wish sheet does not: an AP without one falls to the next "
        "protocols, which have no tile for an AP.",
        portable_without_a_prior: "Your first protocol takes an AP only where there is no prior. The wish sheet does not ask that: its "
        "second tile is for the prior. An AP with one falls to the next protocols, which have no tile for an AP.",
        portable_without_views: "Your first protocol has no `views`, so that it takes every chest, and the tiles of all that are no AP "
        "stay empty. What makes a study portable on the wish sheet is its view.",
        portable_spelling_once: "Only your first protocol knows PORT CXR. What an operator chose in the plate reader's menu says nothing "
        "of the view: a PA can be filed under it too.",
        portable_any_part: "Your first protocol takes extremities: a foot has an AP view too. Its list of body parts is empty, or names "
        "more than chests.",
        any_part: "Your protocols take extremities: their list of body parts is empty, or names more than chests. A hand then hangs in the "
        "tiles of a chest.",
        swapped: "In your second protocol the current PA and the prior PA have changed places. Go by the wish sheet from left to right.",
        any_modality: "Your protocols take the chest CT too, because they name CT, or no modality at all: it has the same body part, and "
        "none of the views, so that its tiles stay empty.",
        portable_last: "No study comes to your protocol for portable chests. Either it stands behind a general one, and the first that "
        "fits is used; or its own conditions fit no study.",
        portable_second: "Your protocol for portable chests stands behind a general one, which takes portable chests too: their body "
        "part fits it as well. The first that fits is used, so the special one comes before the general.",
        ap_as_pa: "The portable protocol looks for a PA. A portable chest is taken from the front, AP, so its tile stays empty.",
        prior_not_asked: "Your second protocol takes the studies without a prior too, and leaves a hole where the prior would be. The "
        "third is never reached.",
    }
    hints = [
        "The spellings: `Counter((study[\"modality\"], study[\"body_part\"]) for study in studies)` in part 5 counts them. Three of those "
        "of CR and DX are chests.",
        "All three have the same modality and body part, as lists. What tells them apart: `\"views\": [\"AP\"]` in the first, "
        "`\"prior\": True` in the second, `False` in the third.",
        "One row each: `\"grid\": [1, 3]` for the second, and its tiles are `[\"current PA\", ...]`, in the order of the wish sheet. A "
        "lateral is called LAT.",
    ]


# --- the DICOM object

PARTS = {
    "modalities": "Selector CS Value (0072,0062): a list of modalities",
    "if_no_intent": "Image Set Selector Usage Flag (0072,0024): \"MATCH\" or \"NO_MATCH\"",
    "prior": "Abstract Prior Value (0072,003C): two numbers, a list",
    "lateral": "Selector CS Value (0072,0062): a list of View Positions",
    "orientation": "Display Set Patient Orientation (0072,0700): two letters, a list",
    "right_set": "Image Set Number (0072,0032): 1 or 2",
    "right_place": "Display Environment Spatial Position (0072,0108): four numbers, a list",
    "partial": "Partial Data Display Handling (0072,0208): \"MAINTAIN_LAYOUT\" or \"ADAPT_LAYOUT\"",
}


def _several(value, name):
    """The values of a part: of a list, a set, an array, or of a text that separates them as DICOM or a person does."""
    try:
        value = plain(value)
    except Unclear:
        _wrong(name)
    if type(value) is str:
        return [one for one in re.split(r"[\\,;]", value) if one.strip()]
    return value if type(value) is list else [value]


def _numbers(value, name, count, kind=float):
    found = _several(value, name)
    if len(found) != count or any(isinstance(one, bool) or not isinstance(one, (int, float, str)) for one in found):
        _wrong(name)
    try:
        return [kind(float(one)) for one in found]
    except (ValueError, OverflowError):
        return _wrong(name)


def _words(value, name, known=None):
    found = [one.strip().upper() if isinstance(one, str) else _wrong(name) for one in _several(value, name)]
    if not found or known and any(one not in known for one in found):
        _wrong(name)
    return found


def _wrong(name):
    raise CourseError(f"`{name}` can't be used: look at the comment behind it, {PARTS[name]}.")


def _item(**elements):
    from coursekit.hospital.images import common
    return common.item(**elements)


def _selector(tag, values, **more):
    return _item(SelectorAttribute=tag, SelectorAttributeVR="CS", SelectorCSValue=values, SelectorValueNumber=1, **more)


def _display(number, image_set, place, views, orientation):
    item = _item(
        DisplaySetNumber=number, DisplaySetPresentationGroup=1, ImageSetNumber=image_set, ImageBoxesSequence=[_item(
            ImageBoxNumber=1, DisplayEnvironmentSpatialPosition=place, ImageBoxLayoutType="SINGLE")],
        FilterOperationsSequence=[_selector(0x00185101, views, FilterByOperator="MEMBER_OF")], SortingOperationsSequence=[])
    if orientation:
        item.DisplaySetPatientOrientation = orientation
    return item


def _built(seed, modalities, if_no_intent, prior, lateral, orientation, right_set, right_place, partial):
    import pydicom
    from pydicom.dataset import FileDataset, FileMetaDataset
    from coursekit.hospital.images import common

    modalities, lateral = _words(modalities, "modalities"), _words(lateral, "lateral")
    flag, = _words(if_no_intent, "if_no_intent", ("MATCH", "NO_MATCH"))
    handling, = _words(partial, "partial", ("MAINTAIN_LAYOUT", "ADAPT_LAYOUT"))
    orientation = _words(orientation, "orientation")
    if len(orientation) != 2:
        raise CourseError("`orientation` has two values: where the rows lead, and where the columns lead. Two letters in one value, such "
                          "as LF, are one direction, in between.")
    prior, place = _numbers(prior, "prior", 2, int), _numbers(right_place, "right_place", 4)
    image_set, = _numbers([right_set], "right_set", 1, int)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.38.1"
    meta.MediaStorageSOPInstanceUID = f"2.999.8.{seed + 1}.1"
    meta.TransferSyntaxUID, meta.ImplementationClassUID = pydicom.uid.ExplicitVRLittleEndian, "2.999.1.1"
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    ds.HangingProtocolName, ds.HangingProtocolDescription = "Chest", "Current PA and lateral, prior PA"
    ds.HangingProtocolLevel, ds.HangingProtocolCreator, ds.HangingProtocolCreationDateTime = "SITE", "PACS ADMINISTRATOR", "20250407073000"
    ds.HangingProtocolDefinitionSequence = [_item(
        AnatomicRegionSequence=[common.code("816094009", "SCT", "Chest")], Laterality="", ProcedureCodeSequence=[],
        ReasonForRequestedProcedureCodeSequence=[])]
    ds.NumberOfPriorsReferenced = 1
    ds.ImageSetsSequence = [_item(
        ImageSetSelectorSequence=[
            _selector(0x00180015, ["CHEST", "THORAX", "PORT CXR"], ImageSetSelectorUsageFlag="NO_MATCH"),
            _selector(0x00080060, modalities, ImageSetSelectorUsageFlag="NO_MATCH"),
            _selector(0x00080068, ["FOR PRESENTATION"], ImageSetSelectorUsageFlag=flag)],
        TimeBasedImageSetsSequence=[
            _item(ImageSetNumber=1, ImageSetSelectorCategory="RELATIVE_TIME", RelativeTime=[0, 0], RelativeTimeUnits="MINUTES",
                  ImageSetLabel="Current chest"),
            _item(ImageSetNumber=2, ImageSetSelectorCategory="ABSTRACT_PRIOR", AbstractPriorValue=prior, ImageSetLabel="Prior chest")])]
    ds.HangingProtocolUserIdentificationCodeSequence = []
    ds.HangingProtocolUserGroupName = "Radiology"
    ds.NumberOfScreens = 1
    ds.NominalScreenDefinitionSequence = [_item(
        NumberOfVerticalPixels=1600, NumberOfHorizontalPixels=2560, DisplayEnvironmentSpatialPosition=[0.0, 1.0, 1.0, 0.0],
        ScreenMinimumGrayscaleBitDepth=8)]
    ds.DisplaySetsSequence = [
        _display(1, 1, [0.0, 1.0, 0.5, 0.0], ["PA"], orientation), _display(2, 1, [0.5, 1.0, 0.75, 0.0], lateral, None),
        _display(3, image_set, place, ["PA"], orientation)]
    ds.PartialDataDisplayHandling = handling
    return ds


@lesson.input
def build(hospital):
    """A function that makes the Hanging Protocol object from its open parts; `...` as long as one of them is open."""
    seed = hospital.seed

    def made(modalities, if_no_intent, prior, lateral, orientation, right_set, right_place, partial):
        values = [modalities, if_no_intent, prior, lateral, orientation, right_set, right_place, partial]
        if _open(values):
            if not all(value is ... for value in values):
                print("Still open: " + ", ".join(name for name, value in zip(PARTS, values) if _open(value)) + ".")
            return ...
        return _built(seed, *values)
    return made


def _protocol_object(contents):
    """The parts of the one object that was given."""
    if len(contents) != 1:
        raise ValueError("one object is asked")
    parts, = objects.attributes(contents).values()
    return {"the hanging protocol": parts}


TILE_WORD = ("LAT is what this workstation calls a tile. The object compares with View Position, as the headers write it, and no header "
             "here says LAT.")


def _any_order(argument, *wanted):
    def check(value, parts):
        given = value.split("\\")
        extra = next((one for one in given if one not in wanted), None)
        if extra == "LAT":
            return TILE_WORD
        if extra is not None:
            return f"`{argument}` has {extra} too, Selector CS Value (0072,0062), which the question does not ask for."
        return None if set(given) == set(wanted) else f"`{argument}`, Selector CS Value (0072,0062), lacks a value."
    return check


# The end of a part's name: the argument of `build` that it comes from.
_ARGUMENTS = {"Image Set Selector Usage Flag (0072,0024)": "if_no_intent", "Abstract Prior Value (0072,003C)": "prior",
              "Display Set Patient Orientation (0072,0700)": "orientation", "Image Set Number (0072,0032)": "right_set",
              "Display Environment Spatial Position (0072,0108)": "right_place", "Partial Data Display Handling (0072,0208)": "partial"}


_SETS = "Image Sets Sequence (0072,0020) item 1 > Image Set Selector Sequence (0072,0022) item 2 > Selector CS Value (0072,0062)"
_LATERAL = "Display Sets Sequence (0072,0200) item 2 > Filter Operations Sequence (0072,0400) item 1 > Selector CS Value (0072,0062)"


@lesson.exercise
class TheObject:
    """Fill in the eight open parts of the Hanging Protocol object for the chest, one screen with three boxes:

    - **left half**: the current PA; **third quarter**: the current lateral, left or right (`LL`, `RL`); **last quarter**: the PA of the
      **newest prior**;
    - images of CR and DX; none FOR PROCESSING, but the plates of CR_ER1, which have **no** Presentation Intent Type, hang too;
    - both PA images as if the patient stood in front of you;
    - a view that is missing leaves its box empty.

    `build` makes the object; each comment names the attribute that you fill in.
    """

    answer = BuiltObject("protocol", reading=_protocol_object, parts=PARTS,
                         free={_SETS: _any_order("modalities", "CR", "DX"), _LATERAL: _any_order("lateral", "LL", "RL")})
    points = 3
    praise = (
        "A workstation of another vendor can be given this object, if its conformance statement names the Hanging Protocol Storage SOP "
        "class."
    )

    def solution(build):
        return build(
            modalities=["CR", "DX"],
            if_no_intent="MATCH",
            prior=[1, 1],
            lateral=["LL", "RL"],
            orientation=["L", "F"],
            right_set=2,
            right_place=[0.75, 1.0, 1.0, 0.0],
            partial="MAINTAIN_LAYOUT",
        )

    def plates_lost(build):
        return build(["CR", "DX"], "NO_MATCH", [1, 1], ["LL", "RL"], ["L", "F"], 2, [0.75, 1, 1, 0], "MAINTAIN_LAYOUT")

    def all_priors(build):
        return build(["CR", "DX"], "MATCH", [1, -1], ["LL", "RL"], ["L", "F"], 2, [0.75, 1, 1, 0], "MAINTAIN_LAYOUT")

    def counted_from_zero(build):
        return build(["CR", "DX"], "MATCH", [0, 0], ["LL", "RL"], ["L", "F"], 2, [0.75, 1, 1, 0], "MAINTAIN_LAYOUT")

    def current_again(build):
        return build(["CR", "DX"], "MATCH", [1, 1], ["LL", "RL"], ["L", "F"], 1, [0.75, 1, 1, 0], "MAINTAIN_LAYOUT")

    def from_the_top(build):
        return build(["CR", "DX"], "MATCH", [1, 1], ["LL", "RL"], ["L", "F"], 2, [0.75, 0, 1, 1], "MAINTAIN_LAYOUT")

    def seen_from_behind(build):
        return build(["CR", "DX"], "MATCH", [1, 1], ["LL", "RL"], ["R", "F"], 2, [0.75, 1, 1, 0], "MAINTAIN_LAYOUT")

    def closing_ranks(build):
        return build(["CR", "DX"], "MATCH", [1, 1], ["LL", "RL"], ["L", "F"], 2, [0.75, 1, 1, 0], "ADAPT_LAYOUT")

    def digital_alone(build):
        return build(["DX"], "MATCH", [1, 1], ["LL", "RL"], ["L", "F"], 2, [0.75, 1, 1, 0], "MAINTAIN_LAYOUT")

    def plates_alone(build):
        return build(["CR"], "MATCH", [1, 1], ["LL", "RL"], ["L", "F"], 2, [0.75, 1, 1, 0], "MAINTAIN_LAYOUT")

    def ct_too(build):
        return build(["CR", "DX", "CT"], "MATCH", [1, 1], ["LL", "RL"], ["L", "F"], 2, [0.75, 1, 1, 0], "MAINTAIN_LAYOUT")

    def second_newest(build):
        return build(["CR", "DX"], "MATCH", [2, 2], ["LL", "RL"], ["L", "F"], 2, [0.75, 1, 1, 0], "MAINTAIN_LAYOUT")

    def from_zero(build):
        return build(["CR", "DX"], "MATCH", [0, 1], ["LL", "RL"], ["L", "F"], 2, [0.75, 1, 1, 0], "MAINTAIN_LAYOUT")

    def two_newest(build):
        return build(["CR", "DX"], "MATCH", [1, 2], ["LL", "RL"], ["L", "F"], 2, [0.75, 1, 1, 0], "MAINTAIN_LAYOUT")

    def left_laterals(build):
        return build(["CR", "DX"], "MATCH", [1, 1], ["LL"], ["L", "F"], 2, [0.75, 1, 1, 0], "MAINTAIN_LAYOUT")

    def right_laterals(build):
        return build(["CR", "DX"], "MATCH", [1, 1], ["RL"], ["L", "F"], 2, [0.75, 1, 1, 0], "MAINTAIN_LAYOUT")

    def tile_word(build):
        return build(["CR", "DX"], "MATCH", [1, 1], ["LAT"], ["L", "F"], 2, [0.75, 1, 1, 0], "MAINTAIN_LAYOUT")

    def upside_down(build):
        return build(["CR", "DX"], "MATCH", [1, 1], ["LL", "RL"], ["L", "H"], 2, [0.75, 1, 1, 0], "MAINTAIN_LAYOUT")

    def percent(build):
        return build(["CR", "DX"], "MATCH", [1, 1], ["LL", "RL"], ["L", "F"], 2, [75, 100, 100, 0], "MAINTAIN_LAYOUT")

    def third_quarter(build):
        return build(["CR", "DX"], "MATCH", [1, 1], ["LL", "RL"], ["L", "F"], 2, [0.5, 1, 0.75, 0], "MAINTAIN_LAYOUT")

    def right_half(build):
        return build(["CR", "DX"], "MATCH", [1, 1], ["LL", "RL"], ["L", "F"], 2, [0.5, 1, 1, 0], "MAINTAIN_LAYOUT")

    def exchanged(build):
        return build(["CR", "DX"], "MATCH", [1, 1], ["LL", "RL"], ["F", "L"], 2, [0.75, 1, 1, 0], "MAINTAIN_LAYOUT")

    def width_and_height(build):
        return build(["CR", "DX"], "MATCH", [1, 1], ["LL", "RL"], ["L", "F"], 2, [0.75, 1, 0.25, 0], "MAINTAIN_LAYOUT")

    def last_of_all(build):
        return build(["CR", "DX"], "MATCH", [-1, -1], ["LL", "RL"], ["L", "F"], 2, [0.75, 1, 1, 0], "MAINTAIN_LAYOUT")

    wrong_ways = {
        exchanged: "The two directions have changed places: the rows would lead to the feet, and the chest would lie on its side. First "
        "where the rows lead, then where the columns lead.",
        width_and_height: "Your third number is a width. Asked is a corner: the third and fourth number are x and y of the lower *right* "
        "corner, counted from the left and lower edge of the screen like the first two.",
        last_of_all: "With -1 you count from the other end, where the oldest is. The newest has the number one.",
        plates_lost: "The usage flag does not say whether the value must match. It says what happens to an image that does **not have** "
        "the attribute: with NO_MATCH it is left out, so no plate of CR_ER1 would hang (PS3.3 C.23.1).",
        all_priors: "The second value -1 means *and all older ones*: the box would be given every prior there is.",
        counted_from_zero: "Priors count from the newest, and that one has the number one. Zero is none.",
        current_again: "The box at the right would show the current PA a second time. Which image set is the prior's?",
        from_the_top: "You count from the top, as on a computer screen. Here (0,0) is the *lower* left corner; a box is told by its "
        "upper left and its lower right corner.",
        seen_from_behind: "The rows would lead to the patient's right: a chest seen from behind, with the apex of the heart on the "
        "viewer's left.",
        closing_ranks: "With that value the workstation may rearrange the boxes when a view is missing; the reader would find the prior "
        "where the lateral usually is.",
        digital_alone: "`modalities` has DX alone. The plates of CR_ER1 have the modality CR, and would not hang.",
        plates_alone: "`modalities` has CR alone. DX_CH1 is digital, DX, and would not hang.",
        ct_too: "`modalities` has CT too. The object is for radiographs; a chest CT has the same body part and would "
        "be selected.",
        second_newest: "From the second to the second: that is the newest but one.",
        from_zero: "Priors count from the newest, and that one has the number one. There is none with the number zero, "
        "so the range can't begin there.",
        two_newest: "Two priors: the box would be given the newest and the one before it. Its first and last number are "
        "the same when one is wanted.",
        left_laterals: "`lateral` has the left lateral alone. A right one, RL, would leave the box empty.",
        right_laterals: "`lateral` has the right lateral alone. A left one, LL, would leave the box empty.",
        tile_word: TILE_WORD,
        upside_down: "The columns would lead to the head: the chest hangs upside down. The second value says where one "
        "gets to going *down*.",
        percent: "You count in percent. The screen is 1 wide and 1 high: all four numbers lie between 0 and 1.",
        third_quarter: "That is the third quarter, where the lateral is. The prior's box is the one to the right of it.",
        right_half: "That is the whole right half; it would cover the box of the lateral.",
    }
    hints = [
        "The usage flag: what should happen to an image *without* Presentation Intent Type? MATCH: count it in; NO_MATCH: leave it out.",
        "The other boxes show the pattern of a place: the left half is 0, 1, 0.5, 0, that is upper left corner (0, 1), lower right "
        "corner (0.5, 0).",
        "Abstract Prior Value: from the first to the first, counted from the newest. Orientation: rows to the patient's left, columns to "
        "the feet.",
        "Try it: `workstation.show_object(\"chest PA and lateral with two priors\", protocol)`, and the studies on plates.",
    ]


# --- the job

SETTINGS = """settings = {
    # how the workstation reads a header
    "view_from": ...,            # a list, in order: "view code", "view position", "series description"
    "code_schemes": ...,         # a list: "SCT", "SRT"
    "side_from": ...,            # a list, in order: "image laterality", "frame laterality", "series laterality"
    "intents": ...,              # a list: "FOR PRESENTATION", "FOR PROCESSING"
                                 # (an image without one is always hung)
    "special_views": ...,        # "leave out" or "like the plain view"
    "tomosynthesis": ...,        # "instead of 2D", "where there is no 2D" or "leave out"
    "several": ...,              # of several images for a tile: "latest" or "first number"
    "missing": ...,              # what a tile shows when its view is missing: "nothing" or "next image"
    "turn": ...,                 # mirror by "patient orientation", all "right breasts", or "never"
    # which prior
    "prior_modality": ...,       # "same", "related" (CR and DX are one) or "any"
    "prior_body_part": ...,      # "same" or "any" (a mammography whose body part is empty counts as BREAST)
    "prior_years": ...,          # at most so many
    # the protocols
    "protocols": [
        {
            "name": "Mammography with prior",
            "modality": ...,
            "body_part": ...,    # a list; an empty list, [], for any
            "prior": ...,
            "grid": ...,
            "tiles": ...,        # row by row, from the top left
        },
        {
            "name": "Mammography",
            "modality": ...,
            "body_part": ...,
            "prior": ...,
            "grid": ...,
            "tiles": ...,
        },
    ],
}"""


def read_settings(value):
    """(protocols, reading) from the settings of the whole workstation."""
    if type(value) is not dict or "protocols" not in value:
        raise ValueError("they are a dictionary, and `protocols` is one of its entries")
    reading = {name: one for name, one in value.items() if name != "protocols"}
    return hanging.read_protocols(value["protocols"]), hanging.read_reading(reading)


MAMMOGRAPHY = [one for one in WISHES if one["modality"] == ["MG"]]
_YEARS = {1: "`prior_years` lets priors in that are older than the wish sheet allows.",
          -1: "With your `prior_years` a prior that the wish sheet still asks for is not found."}


def _lacks(reading):
    """What a reading leaves out of that without which the same tiles stay empty: it tells apart mistakes that look alike."""
    lacks = {
        "view code": "view code" not in reading["view_from"], "old codes": "SRT" not in reading["code_schemes"],
        "new codes": "SCT" not in reading["code_schemes"], "frame laterality": "frame laterality" not in reading["side_from"],
        "tomosynthesis": reading["tomosynthesis"] == "leave out",
    }
    return [name for name, lacking in lacks.items() if lacking]


@lesson.exercise
class TheWorkstation:
    """Set up **WS_MG1** for mammography, all of it. Dr Moreau's wish sheet:

    - With a prior: two rows of four tiles. Top row: current RCC, current LCC, prior RCC, prior LCC; bottom row the same with MLO.
      Without a prior: two rows of two.
    - Right breasts on the viewer's left, chest walls together, whichever unit made the images, ours or Eastcliff's.
    - The view and the side of an image by the rule of exercise 2. What has none by that rule hangs in no tile.
    - Nothing raw, no spot, magnified or implant-displaced view in the four tiles. A view that is missing leaves its tile empty.
    - Of a view that was repeated, the later image. Tomosynthesis only where the plain view does not exist.
    - Prior: the newest mammography of at most five years.

    Your settings are tried on the studies of your workstation and of others. Whatever hangs right is right.
    """

    answer = Settings("settings", reading=read_settings, template=SETTINGS)
    points = 4
    praise = (
        "Current or prior, ours or Eastcliff's, complete or not: each image hangs in its own place or not at all. Dr Moreau can trust an "
        "empty tile."
    )

    def solution():
        return {
            "view_from": ["view code", "view position"],
            "code_schemes": ["SCT", "SRT"],
            "side_from": ["image laterality", "frame laterality"],
            "intents": ["FOR PRESENTATION"],
            "special_views": "leave out",
            "tomosynthesis": "where there is no 2D",
            "several": "latest",
            "missing": "nothing",
            "turn": "patient orientation",
            "prior_modality": "same",
            "prior_body_part": "same",
            "prior_years": 5,
            "protocols": [
                {"name": "Mammography with prior", "modality": ["MG"], "body_part": [], "prior": True, "grid": [2, 4], "tiles": [
                    "current RCC", "current LCC", "prior RCC", "prior LCC",
                    "current RMLO", "current LMLO", "prior RMLO", "prior LMLO"]},
                {"name": "Mammography", "modality": ["MG"], "body_part": [], "prior": False, "grid": [2, 2], "tiles": [
                    "current RCC", "current LCC",
                    "current RMLO", "current LMLO"]},
            ],
        }

    def no_code():
        return {**TheWorkstation.solution(), "view_from": ["view position", "series description"]}

    def description_last():
        return {**TheWorkstation.solution(), "view_from": ["view code", "view position", "series description"]}

    def view_position_first():
        return {**TheWorkstation.solution(), "view_from": ["view position", "view code"]}

    def old_codes_alone():
        return {**TheWorkstation.solution(), "code_schemes": ["SRT"]}

    def no_frame_side():
        return {**TheWorkstation.solution(), "side_from": ["image laterality"]}

    def series_as_fallback():
        return {**TheWorkstation.solution(), "side_from": ["image laterality", "frame laterality", "series laterality"]}

    def tomosynthesis_never():
        return {**TheWorkstation.solution(), "tomosynthesis": "leave out"}

    def tomosynthesis_instead():
        return {**TheWorkstation.solution(), "tomosynthesis": "instead of 2D"}

    def any_modality_before():
        return {**TheWorkstation.solution(), "prior_modality": "any"}

    def any_study():
        right = TheWorkstation.solution()
        return {**right, "protocols": [{**one, "modality": []} for one in right["protocols"]]}

    def body_part_breast():
        right = TheWorkstation.solution()
        return {**right, "protocols": [{**one, "body_part": ["BREAST"]} for one in right["protocols"]]}

    def position_alone():
        return {**TheWorkstation.solution(), "view_from": ["view position"]}

    def code_alone():
        return {**TheWorkstation.solution(), "view_from": ["view code"]}

    def new_codes_alone():
        return {**TheWorkstation.solution(), "code_schemes": ["SCT"]}

    def description_first():
        return {**TheWorkstation.solution(), "view_from": ["series description", "view code", "view position"]}

    def special_in_place():
        return {**TheWorkstation.solution(), "special_views": "like the plain view"}

    def raw_too():
        return {**TheWorkstation.solution(), "intents": ["FOR PRESENTATION", "FOR PROCESSING"], "several": "first number"}

    def filled_up():
        return {**TheWorkstation.solution(), "missing": "next image"}

    def all_right_turned():
        return {**TheWorkstation.solution(), "turn": "right breasts"}

    def never_turned():
        return {**TheWorkstation.solution(), "turn": "never"}

    def by_number():
        return {**TheWorkstation.solution(), "several": "first number"}

    def series_side():
        return {**TheWorkstation.solution(), "side_from": ["series laterality", "image laterality", "frame laterality"]}

    def left_on_the_left():
        right = TheWorkstation.solution()
        swap = lambda text: text.replace(" R", " *").replace(" L", " R").replace(" *", " L")
        return {**right, "protocols": [{**one, "tiles": [swap(text) for text in one["tiles"]]} for one in right["protocols"]]}

    def trial(settings, hospital):
        protocols, reading = settings
        years = reading["prior"]["years"] - READING["prior"]["years"]
        hangs = _outcome(protocols, reading, hospital, ("MG",), MAMMOGRAPHY, ("CR", "DX", "CT", "MR", "US"))
        return {"hangs": hangs, "lacks": _lacks(reading), "years": (years > 0) - (years < 0)}

    def faults(outcome):
        found = _faults(outcome["hangs"])
        return [_YEARS[outcome["years"]], *found] if found and outcome["years"] else found

    wrong_ways = {
        body_part_breast: "Your protocols ask for the body part BREAST. Eastcliff's unit writes none, so its studies fall through. For "
        "mammography the modality says enough.",
        any_modality_before: "Your prior may be of any modality. A newer MR of the breast then pushes out the mammography, and the tiles "
        "of the prior stay empty.",
        any_study: "Your protocols name no modality, so that chests, hands, CT and MR get the empty tiles of a mammography as well.",
        no_code: "\"view code\" is missing in `view_from`. Eastcliff's unit and every tomosynthesis have no View Position, and a "
        "description can't stand in for the code.",
        description_last: "Where an image has neither code nor View Position you believe the description. So the radiograph of a specimen "
        "comes into the tile of a view; free text is no source, not even the last one.",
        view_position_first: "Where View Position and code disagree you believe the View Position. The code comes first; the word only "
        "where there is no code.",
        old_codes_alone: "The workstation knows the old codes alone. Ours are new; most of our images are saved by their View Position, "
        "but a tomosynthesis has none.",
        no_frame_side: "You ask for the side in Image Laterality alone. A tomosynthesis has it elsewhere, so that it is never hung, not "
        "even where the plain view is missing.",
        series_as_fallback: "You ask the series for the side in the end. An image that has no side of its own then gets one that its "
        "series has for both breasts, and takes the wrong tile.",
        tomosynthesis_never: "You leave out tomosynthesis altogether. Where the plain view was not made, the wish sheet wants it in "
        "the tile.",
        tomosynthesis_instead: "A tomosynthesis takes the tile of a plain view that is there. The wish sheet wants it only where the plain "
        "view does not exist.",
        position_alone: "You look for the view in View Position alone. Eastcliff's unit and every tomosynthesis have none: their tiles "
        "stay empty.",
        code_alone: "You look for the view in the code alone. An image without a code, but with a View Position, then hangs in no tile; by "
        "the rule of exercise 2 the word counts where there is no code.",
        new_codes_alone: "The workstation knows the new codes alone. Eastcliff's images speak SRT, and have no View Position to fall "
        "back on.",
        description_first: "You trust the Series Description first. One typing error, and a CC is looked for among the MLO; its own tile "
        "stays empty.",
        special_in_place: "A spot, magnified or implant-displaced view takes the tile of the plain one: it has the same view code and "
        "was made later.",
        raw_too: "Raw images come into the tiles. What is FOR PROCESSING is not for reading.",
        filled_up: "Where a view is missing, another image moves up. A reader who sees four full tiles believes that there are four views.",
        all_right_turned: "You mirror every right breast, also those that lie right already. Ours then hang with the chest "
        "wall outside.",
        never_turned: "You never mirror. Eastcliff's right breasts then hang with the chest wall outside: they are the third of "
        "the cases that the ticket is about.",
        by_number: "Of a repeated view you hang the one with the lower number, here the earlier one; the wish sheet asks for the later. "
        "(Rejects should not arrive at all. Two MLOs of a large breast both belong; the second must be within reach.)",
        series_side: "You ask the series for the side first. A series that holds both breasts has one Laterality, wrong for half of its "
        "images.",
        left_on_the_left: "Right and left have changed places. By convention the right breast hangs on the viewer's left; the chest "
        "walls then meet in the middle.",
    }
    hints = [
        "Every line of the settings is a lesson of the exercises before: views and codes (2), mirroring (3), priors (4), spellings (5, 6).",
        "Take the wish sheet line by line. *Whichever unit*: codes of both schemes, any body part, mirrored by what the header says. "
        "*Tomosynthesis*: its side is not Image Laterality alone.",
        "Look at a study: `workstation.show(\"three views and a spot view\", settings)`. Then at one with a prior, one of Eastcliff's, "
        "the implants.",
        "Tiles row by row: for two rows of four the first four names are the top row, all with CC, and the last four are the same with "
        "MLO.",
    ]
