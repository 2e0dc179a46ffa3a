"""Exercises of `cpas_08_hanging_protocols`: what a view is, how it lies, and rules that put each image into its place."""

import random
from functools import lru_cache

from coursekit.checking import Config, Fields, File, Function, Lesson, Number, Set, Text
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


def _tile(seed, name, image, mirrored):
    """A tile as the figure takes it."""
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
    letters = (hanging.OPPOSITE.get(to, ""), to)
    side = ""
    if image["Modality"] == "MG":
        of = "R" if image.truth.startswith("R") or image.get("ImageLaterality") == "R" else "L"
        side = "right" if (of == "R") != shown_mirrored else "left"
    return {"name": name, "grey": grey[:, ::-1] if shown_mirrored else grey, "letters": letters[::-1] if mirrored else letters,
            "side": side, "tells": image.truth + (", mirrored" if mirrored else "")}


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
        """The number of the study that is told in these words."""
        for number, case in enumerate(self.cases, 1):
            if case.study.says.casefold() == " ".join(words.split()).casefold():
                return number
        raise CourseError("No study on the list is told in these words. Give its number, or the words as they stand in workstation.list().")

    def _case(self, number):
        """(number, the study with that number or those words)."""
        number = self.number_of(number) if isinstance(number, str) else number
        if number not in range(1, len(self.cases) + 1):
            raise CourseError(f"The list has the numbers 1 to {len(self.cases)}.")
        return number, self.cases[number - 1]

    def show(self, number, protocols):
        """Hang a study by protocols, or by settings that hold protocols, and draw the screen."""
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
        tiles = [_tile(self._seed, f"{tile.which} {tile.view}".strip() or "empty", tile.image, tile.mirrored) for tile in laid.tiles]
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
        tiles = []
        for place, which, image in hanging.hung_by(protocol, case.study, case.others):
            tiles.append({**_tile(self._seed, which or "no image set", image, False), "place": place})
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

class OnHeaders(Function):
    """A function of a header; a case is told by what the header says."""

    def _as_written(self, case):
        header, *rest = case
        parts = [f"{name} {_told(header.get(name))}" for name in (
            "Modality", "ViewPosition", "ImageLaterality", "Laterality", "PatientOrientation", "SeriesDescription") if header.get(name)]
        view, extra = code(header, "ViewCodeSequence"), [one[0] for one in modifiers(header)]
        parts += [f"view code {view[0]} {view[1]}"] if view[0] else []
        parts += [f"modifier {', '.join(extra)}"] if extra else []
        parts += [f"Frame Laterality {frame_laterality(header)}"] if frame_laterality(header) else []
        also = "".join(f" and {one!r}" for one in rest)
        return f"the header with {'; '.join(parts)}{also}"


def _told(value):
    return "\\".join(map(str, value)) if not isinstance(value, str) else value


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

    def _computed(self, exercise, function, editions):
        """As for every kind; reading takes a while, so what was read is remembered."""
        return exercise.remembered((self, function), editions.own, lambda: super(BuiltObject, self)._computed(exercise, function, editions))

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

    answer = Set("for_tiles")
    praise = "Twelve objects, and four of them hang. A workstation has to make this choice from the same columns, in every study."

    def solution(diagnostic):
        table = diagnostic
        plain = (table["Presentation Intent Type"] == "FOR PRESENTATION") & (table["View Modifier"] == "") & (table["frames"] == 1)
        return list(table.index[plain & table["View Position"].isin(["CC", "MLO"])])

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

    def first_four(diagnostic):
        return list(diagnostic.index[:4])

    wrong_ways = {
        raw_too: "Your list has images FOR PROCESSING. They are what the detector measured, for CAD and for processing anew; a reader "
        "would see pale "
        "pictures with dark glands, and each view twice.",
        special_too: "Your list has views with a modifier: a spot, a magnified or a rolled view. They have the same view code as the "
        "plain view, and would take its "
        "tile.",
        any_two_dimensional: "ML is a view of its own, strictly from the side, and no MLO: it has another code. It is an additional view "
        "and has no tile among the four.",
        tomosynthesis_too: "The object with many frames is a tomosynthesis. Its view code is that of the plain view; what it is, its "
        "frames and its SOP class say.",
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
    2. The view: from the View Code Sequence, in the new codes or in the old ones; where there is no such code, from the View Position.
       `VIEW_NAMES`
       knows them all. What it does not know is `"other"`.
    3. For CC and MLO the side comes in front, as in `"RCC"`: from the Image Laterality; where there is none, from the Frame Laterality;
       without
       either, `"other"`.

    So the answers are `"PA"`, `"AP"`, `"LAT"`, `"RCC"`, `"LCC"`, `"RMLO"`, `"LMLO"` or `"other"`. It will be tried on headers of four
    devices.
    """

    answer = OnHeaders("view_of", result=Text())
    points = 3
    praise = "That is what a workstation does with each image before a protocol is even looked at."

    def solution(header):
        if len(modifiers(header)) > 0:
            return "other"
        view = VIEW_NAMES.get(code(header, "ViewCodeSequence")[0], "")
        if view == "":
            view = VIEW_NAMES.get(header.get("ViewPosition", ""), "other")
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
        known = VIEW_NAMES.get(found, "") if scheme == "SCT" else ""
        return _by(header, lambda: known or VIEW_NAMES.get(header.get("ViewPosition", ""), "other"))

    def modifiers_ignored(header):
        return _by(header, lambda: _named(header), special=True)

    def side_of_the_series(header):
        side = header.get("Laterality", "") or header.get("ImageLaterality", "") or frame_laterality(header)
        return _by(header, lambda: _named(header), side=side)

    def by_description(header):
        text = header.get("SeriesDescription", "").replace(" ", "").replace("DBT", "")
        return text if text in hanging.TILED else "other"

    def from_the_front_is_pa(header):
        return ViewOf.solution(header).replace("AP", "PA")

    def no_frame_side(header):
        return _by(header, lambda: _named(header), side=header.get("ImageLaterality", ""))

    wrong_ways = {
        position_only: "You go by the View Position alone. Mammography need not have it, and Eastcliff's unit does not: there the View "
        "Code Sequence "
        "speaks (PS3.3 C.8.11.7 makes that one mandatory).",
        new_codes_only: "The old images speak in codes of the scheme SRT, such as R-10242. They mean the same; a prior of ten years ago "
        "will not be written anew.",
        modifiers_ignored: "A spot, rolled or implant-displaced view comes out as a plain view. It has the same view code; the View "
        "Modifier Code Sequence inside the "
        "item makes the difference.",
        side_of_the_series: "You take Laterality (0020,0060). It belongs to the series; where a series has both breasts, it is wrong for "
        "half of the images. "
        "Image Laterality (0020,0062) is the image's own.",
        by_description: "You read the Series Description. It is free text, typed or left as it was: on some devices it says nothing, on "
        "some the wrong thing.",
        from_the_front_is_pa: "An AP comes out as a PA. In a portable AP the heart is nearer to the tube and looks wider: a reader who "
        "thinks that it is a PA "
        "sees a large heart that is none.",
        no_frame_side: "Tomosynthesis has no Image Laterality at its top level: its side is Frame Laterality, in a functional group. "
        "`frame_laterality(header)` gets it.",
    }
    hints = [
        "Begin with the pattern above the exercise and put the modifier in front of it: `if len(modifiers(header)) > 0: return \"other\"`.",
        "`view = VIEW_NAMES.get(code(header, \"ViewCodeSequence\")[0], \"\")`; when that is `\"\"`, the same with "
        "`header.get(\"ViewPosition\", \"\")` and `\"other\"` at its end.",
        "The side, for CC and MLO only: `side = header.get(\"ImageLaterality\", \"\")`; when that is `\"\"`, `frame_laterality(header)`; "
        "still `\"\"`: other. Then "
        "`return side + view`.",
    ]

    def cases(draw):
        return [(site_data.dataset(header),) for header in _view_cases(draw)]


def _named(header):
    return VIEW_NAMES.get(code(header, "ViewCodeSequence")[0], "") or VIEW_NAMES.get(header.get("ViewPosition", ""), "other")


def _by(header, view, special=False, side=None):
    """`view_of` with one part done in another way."""
    if modifiers(header) and not special:
        return "other"
    found = view()
    if found not in ("CC", "MLO"):
        return found
    side = (header.get("ImageLaterality", "") or frame_laterality(header)) if side is None else side
    return side + found if side else "other"


def _view_cases(draw):
    four = site_data.four_views()
    found = [*four, *map(site_data.of_eastcliff, four), site_data.tomosynthesis("L", "MLO"), site_data.tomosynthesis("R", "CC")]
    found += [site_data.mammogram(draw.choice("RL"), "MLO", 5, one) for one in ("spot", "implant")]
    found += [site_data.mammogram(draw.choice("RL"), "CC", 6, "rolled"), site_data.mammogram(draw.choice("RL"), "ML", 7)]
    found += [image.but(Laterality="L") for image in draw.sample(four, 2)] + [four[0].but(Laterality="L")]
    found += [four[draw.choice([0, 1])].but(SeriesDescription="R MLO"),
              site_data.tomosynthesis("L", "MLO").but(SharedFunctionalGroupsSequence=None)]
    found += [site_data.radiograph(view, modality) for view in ("PA", "AP", "LL") for modality in ("DX", "CR")]
    found += [site_data.radiograph("AP", "CR", "PORT CXR").but(SeriesDescription="PA"),
              site_data.radiograph("PA", "CR").but(ViewPosition=None)]
    found += [site_data.radiograph("LL").but(ViewPosition=None)]
    draw.shuffle(found)
    return found


@lesson.exercise
class Mirror:
    """Write `mirror(header, view)`: must the image be mirrored from left to right before it hangs?

    `view` is what `view_of` said: `"RCC"`, `"RMLO"`, `"LCC"`, `"LMLO"`, `"PA"` or `"AP"`. Return `"as it is"`, `"mirror"`, or, when the
    header has no Patient
    Orientation, `"unknown"`: then a person must look, and nothing is turned.

    Right breasts hang on the viewer's left, left breasts on the right, with the chest walls together in the middle. A chest from the
    front hangs as if the
    patient stood in front of you.
    """

    answer = OnHeaders("mirror", result=Text())
    points = 2
    praise = "Where the device says how the image lies, the workstation can put it right; where it does not, no rule can."

    def solution(header, view):
        wanted = {"RCC": "P", "RMLO": "P", "LCC": "A", "LMLO": "A", "PA": "L", "AP": "L"}
        orientation = header.get("PatientOrientation")
        if orientation is None:
            return "unknown"
        if orientation[0] == wanted[view]:
            return "as it is"
        return "mirror"

    def all_right_ones(header, view):
        return "unknown" if header.get("PatientOrientation") is None else "mirror" if view in ("RCC", "RMLO") else "as it is"

    def chest_walls_outside(header, view):
        wanted = {"RCC": "A", "RMLO": "A", "LCC": "P", "LMLO": "P", "PA": "L", "AP": "L"}
        return _turned(header, wanted[view])

    def left_is_left(header, view):
        wanted = {"RCC": "P", "RMLO": "P", "LCC": "A", "LMLO": "A", "PA": "R", "AP": "R"}
        return _turned(header, wanted[view])

    def second_value(header, view):
        orientation = header.get("PatientOrientation")
        return "unknown" if orientation is None else "as it is" if orientation[1][0] == "F" else "mirror"

    def silence_is_consent(header, view):
        found = Mirror.solution(header, view)
        return "as it is" if found == "unknown" else found

    wrong_ways = {
        all_right_ones: "You mirror every right breast. MG1 has turned them already, Eastcliff's unit has not: every third case would "
        "hang the wrong way. Ask the header "
        "how the image lies, not which breast it is.",
        chest_walls_outside: "Now the nipples meet in the middle. A right breast hangs at the left with its chest wall, posterior, at "
        "its *right* edge: where do its rows lead?",
        left_is_left: "Your chests hang with the patient's left on the viewer's left. The patient stands in front of you: the heart's "
        "apex is on your right.",
        second_value: "You look at the second value of Patient Orientation. That is where the *columns* lead, downwards. From left to "
        "right the rows lead, the first value.",
        silence_is_consent: "Where the header says nothing you hang the image as it is, as if it had said that it is right. It may be "
        "mirrored; say that it is not known.",
    }
    hints = [
        "Patient Orientation has two values: where a row leads, from left to right, and where a column leads, from top to bottom. "
        "Mirroring from left to right concerns one of them.",
        "A right breast at the viewer's left has its chest wall at its right edge. So its rows should lead to ... (A anterior, P "
        "posterior). The left breast the other way; a chest "
        "from the front has the patient's left at its right edge.",
        "A dictionary from the view to the letter that should come first, `wanted = {\"RCC\": ..., ...}`; then compare "
        "`header.get(\"PatientOrientation\")[0]` with `wanted[view]`, after "
        "the question whether it is `None`.",
    ]

    def cases(draw):
        return [(site_data.dataset(header), view) for header, view in _mirror_cases(draw)]


def _turned(header, wanted):
    orientation = header.get("PatientOrientation")
    return "unknown" if orientation is None else "as it is" if orientation[0] == wanted else "mirror"


def _mirror_cases(draw):
    four = site_data.four_views()
    images = [*four, *map(site_data.of_eastcliff, four), four[draw.randrange(4)].but(PatientOrientation=None)]
    images += [four[1].but(PatientOrientation=["P", "R"]), four[3].but(PatientOrientation=["P", "FR"])]
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
    `part` and `side` ("R", "L" or "" where
    there is only one). The prior

    - is of the same part **and** side;
    - is of the same modality, where CR and DX count as one;
    - is of an earlier **day**, at most **five years** before the current one;
    - is the newest of those.

    No two studies that suit are of the same day.
    """

    answer = Function("prior_for", result=Text(case=True))
    points = 3
    praise = "This is the question that a prefetch rule asks as well: what will the reader want beside it?"

    def solution(current, archive):
        kinds = {"CR": "X-ray", "DX": "X-ray"}
        oldest = str(int(current["date"]) - 50000)
        best_date = ""
        best = "none"
        for study in archive:
            same_place = study["part"] == current["part"] and study["side"] == current["side"]
            same_kind = kinds.get(study["modality"], study["modality"]) == kinds.get(current["modality"], current["modality"])
            in_time = oldest <= study["date"] < current["date"]
            if same_place and same_kind and in_time and study["date"] > best_date:
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
        the_oldest: "You take the oldest that suits. The reader compares with the last exam first.",
        from_today_on: "Your prior may be later than the current study. When an older study is opened again, the newest in the archive "
        "came *after* it.",
    }
    hints = [
        "Go through the archive with `for study in archive:` and keep the best so far: `best_date = \"\"` and `best = \"none\"` in the "
        "beginning.",
        "Dates written as year, month, day sort as text. `str(int(current[\"date\"]) - 50000)` is the same day five years earlier, so "
        "`oldest <= study[\"date\"] < current[\"date\"]`.",
        "CR and DX: `kinds = {\"CR\": \"X-ray\", \"DX\": \"X-ray\"}`, and compare `kinds.get(m, m)` of both modalities. The last "
        "condition: `study[\"date\"] > best_date`.",
    ]

    def cases(draw):
        return _prior_cases(draw)


def _fits(current, study, years=5):
    kinds = {"CR": "X-ray", "DX": "X-ray"}
    return ((study["part"], study["side"]) == (current["part"], current["side"])
            and kinds.get(study["modality"], study["modality"]) == kinds.get(current["modality"], current["modality"])
            and str(int(current["date"]) - 10000 * years) <= study["date"] < current["date"])


def _before(date, day):
    return str(int(day) - 1) if date == day else date


def _newest(archive, suits):
    found = [study for study in archive if suits(study)]
    return max(found, key=lambda study: study["date"])["accession"] if found else "none"


def _prior_cases(draw):
    found = []
    kinds = (("DX", "CHEST", ""), ("CR", "CHEST", ""), ("DX", "HAND", "R"), ("DX", "KNEE", "L"), ("MG", "BREAST", ""), ("CT", "CHEST", ""))
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
        archives = ([good, older, elsewhere, other_kind, *sided, oldest], [oldest, elsewhere], [oldest, study(2, modality=related), *sames],
                    [*sames, older], [older, good, later], [])
        for archive in archives:
            found.append((today, draw.sample(archive, len(archive))))
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


@lesson.exercise
class FallThrough:
    """With `rules_now`, how many of the sixty `studies` fall through to the **Default** protocol, and which one of the `proposals`,
    put at the **end** of the rules, would leave the fewest of them there?

    - `default`: the number of studies;
    - `rescue`: the letter of the proposal, in quotes.
    """

    answer = Fields("fallen", {"default": Number(""), "rescue": Text("")})
    points = 2
    praise = "A day's list, counted: that is how one finds out which rule is worth writing next."

    def solution(studies, rules_now, proposals):
        fallen = [study for study in studies if first_rule(study, rules_now) == "Default"]
        left = {}
        for letter, rule in proposals.items():
            left[letter] = sum(first_rule(study, rules_now + [rule]) == "Default" for study in studies)
        return {"default": len(fallen), "rescue": min(left, key=left.get)}

    def images(studies, rules_now, proposals):
        fallen = _defaults(studies, rules_now)
        most = max(proposals, key=lambda letter: sum(study["images"] for study in _rescued(studies, rules_now, proposals[letter])))
        return {"default": sum(study["images"] for study in fallen), "rescue": most}

    def those_that_fit(studies, rules_now, proposals):
        right = FallThrough.solution(studies, rules_now, proposals)
        return {"default": len(studies) - right["default"], "rescue": min(
            proposals, key=lambda letter: len(_rescued(studies, rules_now, proposals[letter])))}

    def fits_most(studies, rules_now, proposals):
        right = FallThrough.solution(studies, rules_now, proposals)
        most = max(proposals, key=lambda letter: sum(first_rule(study, [proposals[letter]]) != "Default" for study in studies))
        return {"default": right["default"], "rescue": most}

    def spelling_only(studies, rules_now, proposals):
        chest = [study for study in _defaults(studies, rules_now) if study["body_part"] in ("THORAX", "CHEST")]
        most = next(letter for letter, rule in proposals.items() if rule["name"] == "Thorax")
        return {"default": len(chest), "rescue": most}

    wrong_ways = {
        images: "You counted images. A hanging protocol is chosen once for a study.",
        those_that_fit: "You have it the other way round: the studies that a rule fits, and the proposal that leaves the most of the "
        "others.",
        fits_most: "That proposal fits the most studies, but earlier rules take nearly all of them first. What counts is how many of "
        "those in Default it reaches.",
        spelling_only: "You looked at the chests with another spelling alone. More falls through than that: portable ones, and studies "
        "without any body part.",
    }
    hints = [
        "`first_rule(study, rules)` says the name of the rule that a study gets. Count those for which it is \"Default\".",
        "`[study for study in studies if first_rule(study, rules_now) == \"Default\"]` is the list of them; `len(...)` its length.",
        "The same with `rules_now + [proposals[\"A\"]]`, and so on for each letter. The one with the fewest left is asked.",
    ]


# --- settings that are judged on constellations

def _outcome(protocols, reading, hospital, modalities):
    """[(what the study is, what hangs, what should hang)] for each constellation of some modalities and those that no rule should take."""
    found = []
    for case in site_data.constellations(hospital.seed):
        if case.study.modality not in modalities:
            continue
        got, wanted = (hanging.layout(case.study, case.others, rules, how) for rules, how in ((protocols, reading), (WISHES, READING)))
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
             "other": "an image of another kind"}
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
    CT must not be taken.

    `views`, where a protocol has it, is a list: one of these views must be in the study. `grid` is `[rows, columns]`. It is tried on the
    studies of your
    workstation and of others.
    """

    answer = Settings("chest_protocols", reading=hanging.read_protocols, template="""chest_protocols = [
    {
        "name": "Portable chest",
        "modality": ...,          # a list
        "body_part": ...,         # a list, spelt as in the headers
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

    def digital_only():
        return [{**one, "modality": ["DX"]} for one in ChestProtocols.solution()]

    def any_modality():
        return [{**one, "modality": []} for one in ChestProtocols.solution()]

    def portable_last():
        first, *rest = ChestProtocols.solution()
        return [*rest, first]

    def ap_as_pa():
        portable, *rest = ChestProtocols.solution()
        return [{**portable, "tiles": ["current PA", "prior PA"]}, *rest]

    def prior_not_asked():
        portable, with_prior, without = ChestProtocols.solution()
        return [portable, {**with_prior, "prior": None}, without]

    def trial(protocols, hospital):
        return _outcome(protocols, READING, hospital, ("CR", "DX", "CT"))

    def faults(outcome):
        return _faults(outcome)

    wrong_ways = {
        one_spelling: "Your protocols ask for CHEST alone. Body Part Examined is what the device or its operator writes; this site has "
        "three spellings of a chest, and a protocol "
        "knows only those in its list.",
        digital_only: "The plates of CR_ER1 get no protocol: their modality is CR. For the reader a radiograph is a radiograph.",
        any_modality: "Without a modality your protocols take the chest CT too: it has the same body part, and none of the views, so "
        "that its tiles stay empty.",
        portable_last: "The portable chests are taken by an earlier protocol: their body part fits it as well. The first that fits is "
        "used, so the special one comes before the general.",
        ap_as_pa: "The portable protocol looks for a PA. A portable chest is taken from the front, AP, so its tile stays empty.",
        prior_not_asked: "Your second protocol takes the studies without a prior too, and leaves a hole where the prior would be. The "
        "third is never reached.",
    }
    hints = [
        "The list of spellings: `sorted({study[\"body_part\"] for study in studies if study[\"modality\"] in (\"CR\", \"DX\")})`. Three "
        "of them are chests.",
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


def _numbers(value, name, count, kind=float):
    found = list(value) if isinstance(value, (list, tuple)) else _wrong(name)
    if len(found) != count or any(isinstance(one, bool) or not isinstance(one, (int, float)) for one in found):
        _wrong(name)
    return [kind(one) for one in found]


def _words(value, name, known=None):
    found = [value] if isinstance(value, str) else list(value) if isinstance(value, (list, tuple)) else _wrong(name)
    found = [one.strip().upper() if isinstance(one, str) else _wrong(name) for one in found]
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


def _any_order(*wanted):
    def check(value, parts):
        same = set(value.split("\\")) == set(wanted)
        return None if same else "a list of values that images may have, Selector CS Value (0072,0062), is not right."
    return check


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
                         free={_SETS: _any_order("CR", "DX"), _LATERAL: _any_order("LL", "RL")})
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

    wrong_ways = {
        plates_lost: "The usage flag does not say whether the value must match. It says what happens to an image that does **not have** "
        "the attribute: with NO_MATCH it is "
        "left out, so no plate of CR_ER1 would hang (PS3.3 C.23.1).",
        all_priors: "The second value -1 means *and all older ones*: the box would be given every prior there is.",
        counted_from_zero: "Priors count from the newest, and that one has the number one. Zero is none.",
        current_again: "The box at the right would show the current PA a second time. Which image set is the prior's?",
        from_the_top: "You count from the top, as on a computer screen. Here (0,0) is the *lower* left corner; a box is told by its "
        "upper left and its lower right corner.",
        seen_from_behind: "The rows would lead to the patient's right: a chest seen from behind, with the apex of the heart on the "
        "viewer's left.",
        closing_ranks: "With that value the workstation may rearrange the boxes when a view is missing; the reader would find the prior "
        "where the lateral uses to be.",
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
    "view_from": ...,            # a list, tried in this order: "view code", "view position", "series description"
    "code_schemes": ...,         # a list: "SCT", "SRT"
    "side_from": ...,            # a list, in order: "image laterality", "frame laterality", "series laterality"
    "intents": ...,              # a list: "FOR PRESENTATION", "FOR PROCESSING" (an image without one is always hung)
    "special_views": ...,        # "leave out" or "like the plain view"
    "tomosynthesis": ...,        # "instead of 2D", "where there is no 2D" or "leave out"
    "several": ...,              # of several images for a tile: "latest" or "first number"
    "missing": ...,              # what a tile shows when its view is missing: "nothing" or "next image"
    "turn": ...,                 # mirror by "patient orientation", all "right breasts", or "never"
    # which prior
    "prior_modality": ...,       # "same", "related" (CR and DX are one) or "any"
    "prior_body_part": ...,      # "same" or "any"
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


@lesson.exercise
class TheWorkstation:
    """Set up **WS_MG1** for mammography, all of it. Dr Moreau's wish sheet:

    - With a prior: two rows of four tiles. Top row: current RCC, current LCC, prior RCC, prior LCC; bottom row the same with MLO.
      Without a prior: two rows of two.
    - Right breasts on the viewer's left, chest walls together, whichever unit made the images, ours or Eastcliff's.
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

    def body_part_breast():
        right = TheWorkstation.solution()
        return {**right, "protocols": [{**one, "body_part": ["BREAST"]} for one in right["protocols"]]}

    def position_alone():
        return {**TheWorkstation.solution(), "view_from": ["view position"]}

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
        return _outcome(*settings, hospital, ("MG",))

    def faults(outcome):
        return _faults(outcome)

    wrong_ways = {
        body_part_breast: "Your protocols ask for the body part BREAST. Eastcliff's unit writes none, so its studies fall through. For "
        "mammography the modality says enough.",
        position_alone: "You look for the view in View Position alone. Eastcliff's unit and every tomosynthesis have none: their tiles "
        "stay empty.",
        new_codes_alone: "The workstation knows the new codes alone. Eastcliff's images speak SRT, and have no View Position to fall "
        "back on.",
        description_first: "You trust the Series Description first. One typing error, and a CC is looked for among the MLO; its own tile "
        "stays empty.",
        special_in_place: "A spot, magnified or implant-displaced view takes the tile of the plain one: it has the same view code and "
        "was made later.",
        raw_too: "Raw images come into the tiles. What is FOR PROCESSING is not for reading.",
        filled_up: "Where a view is missing, another image moves up. A reader who sees four full tiles believes that there are four views.",
        all_right_turned: "You mirror every right breast, also those that the unit has turned already. Ours then hang with the chest "
        "wall outside.",
        never_turned: "You never mirror. Eastcliff's right breasts then hang with the chest wall outside: that is the every third case "
        "of the ticket.",
        by_number: "Of a repeated view you hang the one with the lower number: the one that the technologist did not accept.",
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
