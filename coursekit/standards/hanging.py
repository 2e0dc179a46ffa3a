"""A workstation's hanging protocols: from the headers of a study and its priors to a layout, by rules in a plain form.

Headers are anything with `get(keyword)`: dictionaries or pydicom Datasets; items of sequences too.

How the workstation reads a header is a dictionary with
    view_from      where the view is looked for, in this order: "view code", "view position", "series description"
    code_schemes   the coding schemes that it knows: "SCT", "SRT"
    side_from      where the side of a breast is looked for: "image laterality", "frame laterality", "series laterality"
    intents        which values of Presentation Intent Type are hung; images without one always are
    special_views  "leave out" or "like the plain view": images with a modifier such as spot compression
    tomosynthesis  "instead of 2D", "where there is no 2D", "leave out"
    several        which of several images of one view: "latest" or "first number"
    missing        what a tile without an image shows: "nothing" or "next image"
    turn           how images are mirrored: "patient orientation", "right breasts", "never"
    prior          {"modality": "same", "related" or "any", "body_part": "same" or "any", "years": at most}
A protocol is a dictionary with name, modality and body_part (lists; empty for any), views (one of these must be there;
empty for any), prior (True, False or None for either), grid [rows, columns] and tiles, row by row, such as "current RCC",
"prior PA" or "empty".
"""

import re
from typing import NamedTuple

DEFAULT = "Default"
TOMOSYNTHESIS = "1.2.840.10008.5.1.4.1.1.13.1.3"

# (code, scheme): view. PS3.16 CID 4010 and CID 4014, and the codes that came before them.
VIEW_CODES = {
    ("399162004", "SCT"): "CC", ("R-10242", "SRT"): "CC",
    ("399368009", "SCT"): "MLO", ("R-10226", "SRT"): "MLO",
    ("399260004", "SCT"): "ML", ("R-10224", "SRT"): "ML",
    ("272479007", "SCT"): "PA", ("R-40888", "SRT"): "PA",
    ("399348003", "SCT"): "AP", ("R-10206", "SRT"): "AP",
    ("399173006", "SCT"): "LAT", ("R-10236", "SRT"): "LAT",
    ("399198007", "SCT"): "LAT", ("R-10232", "SRT"): "LAT",
}
# Modifiers of CID 4015 that make another picture of it: another part, another enlargement, another pressure.
SPECIAL = {
    ("399055006", "SCT"), ("R-102D7", "SRT"), ("399163009", "SCT"), ("R-102D6", "SRT"),
    ("399209000", "SCT"), ("R-102D5", "SRT"), ("399197002", "SCT"), ("R-102D3", "SRT"),
}
POSITIONS = {"PA": "PA", "AP": "AP", "LL": "LAT", "RL": "LAT", "LAT": "LAT", "CC": "CC", "MLO": "MLO", "ML": "ML"}
# Code value or View Position: view; the views that have a tile of their own.
VIEW_NAMES = {name: view for (name, _), view in VIEW_CODES.items() if view != "ML"} | {
    name: view for name, view in POSITIONS.items() if view != "ML"}
TILED = ("RCC", "LCC", "RMLO", "LMLO", "PA", "AP", "LAT")
PARTS = {"THORAX": "CHEST", "PORT CXR": "CHEST", "": "BREAST"}       # what this hospital's devices write for the same part
RELATED = {"CR": "X-ray", "DX": "X-ray"}
OPPOSITE = {"A": "P", "P": "A", "L": "R", "R": "L"}


class Tile(NamedTuple):
    """A place on the screen: which study ("current", "prior" or ""), the view that it is for, its image, and whether that is mirrored."""

    which: str
    view: str
    image: object = None
    mirrored: bool = False


class Layout(NamedTuple):
    """What is on the screen: the protocol's name, rows and columns of tiles, the tiles row by row."""

    protocol: str
    rows: int
    columns: int
    tiles: tuple


def code(header, keyword):
    """(code, scheme) of the first item of a code sequence; ("", "") when there is none."""
    items = header.get(keyword) or []
    return (str(items[0].get("CodeValue", "")), str(items[0].get("CodingSchemeDesignator", ""))) if len(items) else ("", "")


def modifiers(header):
    """(code, scheme) of each modifier of the view."""
    views = header.get("ViewCodeSequence") or []
    items = (views[0].get("ViewModifierCodeSequence") or []) if len(views) else []
    return [(str(item.get("CodeValue", "")), str(item.get("CodingSchemeDesignator", ""))) for item in items]


def frame_laterality(header):
    """Frame Laterality of the shared functional groups, where breast tomosynthesis has its side; "" when there is none."""
    shared = header.get("SharedFunctionalGroupsSequence") or []
    anatomy = (shared[0].get("FrameAnatomySequence") or []) if len(shared) else []
    return str(anatomy[0].get("FrameLaterality", "")) if len(anatomy) else ""


def _described(header):
    words = str(header.get("SeriesDescription", "")).upper().replace("LATERAL", "LAT").split()
    return next((word for word in ("MLO", "CC", "PA", "AP", "LAT") if any(one.endswith(word) for one in words)), "")


def _view(header, reading):
    """The view without its side, from the first source that has one."""
    for source in reading["view_from"]:
        if source == "view code":
            found = code(header, "ViewCodeSequence")
            found = VIEW_CODES.get(found, "") if found[1] in reading["code_schemes"] else ""
        elif source == "view position":
            found = POSITIONS.get(str(header.get("ViewPosition", "") or "").strip().upper(), "")
        else:
            found = _described(header)
        if found:
            return found
    return ""


def _side(header, reading):
    for source in reading["side_from"]:
        found = (str(header.get("ImageLaterality", "") or "") if source == "image laterality"
                 else frame_laterality(header) if source == "frame laterality" else str(header.get("Laterality", "") or ""))
        if found in ("R", "L"):
            return found
    return ""


def view_of(header, reading):
    """The view of an image as tiles name it: "RCC", "LMLO", "PA", "AP", "LAT"; "" for none of these."""
    found = _view(header, reading)
    if reading["special_views"] == "leave out" and any(one in SPECIAL for one in modifiers(header)):
        return ""
    if found in ("CC", "MLO"):
        side = _side(header, reading)
        found = side + found if side else ""
    return found if found in TILED else ""


def rows_to(view):
    """Where the rows of an image of this view should lead on the screen, as the first value of Patient Orientation; "" for anywhere."""
    return {"RCC": "P", "RMLO": "P", "LCC": "A", "LMLO": "A", "PA": "L", "AP": "L"}.get(view, "")


def is_mirrored(header, view, turn):
    """Whether the workstation mirrors the image from left to right."""
    if turn == "right breasts":
        return view.startswith("R")
    if turn == "never":
        return False
    orientation = header.get("PatientOrientation") or [""]
    return str(orientation[0])[:1] == OPPOSITE.get(rows_to(view), "none")


def part_of(body_part):
    """One name for what devices write differently."""
    return PARTS.get(body_part, body_part)


def prior_of(study, others, reading):
    """The study to compare with: the newest of an earlier day that suits, or None."""
    wanted = reading["prior"]
    limit = f"{int(study.date[:4]) - wanted['years']:04d}{study.date[4:]}"
    found = [other for other in others if limit <= other.date < study.date
             and (wanted["modality"] == "any" or other.modality == study.modality
                  or wanted["modality"] == "related" and RELATED.get(other.modality) == RELATED.get(study.modality, ""))
             and (wanted["body_part"] == "any" or part_of(other.body_part) == part_of(study.body_part))]
    return max(found, key=lambda other: other.date) if found else None


def protocol_for(study, prior, protocols, reading):
    """The first protocol whose conditions the study meets, or None."""
    views = {view_of(image, reading) for image in _hung(study, reading)}
    for one in protocols:
        if (one["modality"] and study.modality not in one["modality"] or one["body_part"] and study.body_part not in one["body_part"]
                or one["views"] and not views & set(one["views"]) or one["prior"] is not None and one["prior"] != (prior is not None)):
            continue
        return one
    return None


def layout(study, others, protocols, reading):
    """The Layout of a study: with its prior where the protocol has one; the first image alone when no protocol fits."""
    prior = prior_of(study, others, reading)
    protocol = protocol_for(study, prior, protocols, reading)
    if protocol is None:
        return Layout(DEFAULT, 1, 1, (Tile("current", "", study.images[0]),))
    sources = {"current": _hung(study, reading), "prior": _hung(prior, reading) if prior else []}
    placed, tiles = [], []
    for text in protocol["tiles"]:
        which, _, view = text.partition(" ")
        image = _chosen(sources.get(which, []), view, reading)
        if image is not None:
            placed.append(id(image))
        tiles.append(Tile("" if which == "empty" else which, view, image))
    for place, tile in enumerate(tiles):
        if tile.image is None and tile.which and reading["missing"] == "next image":
            spare = next((image for image in sources[tile.which] if id(image) not in placed), None)
            if spare is not None:
                placed.append(id(spare))
            tiles[place] = tile._replace(image=spare)
    tiles = [tile if tile.image is None else tile._replace(mirrored=is_mirrored(tile.image, tile.view, reading["turn"])) for tile in tiles]
    return Layout(protocol["name"], *protocol["grid"], tuple(tiles))


def _hung(study, reading):
    return [image for image in study.images if image.get("PresentationIntentType", "") in ("", None, *reading["intents"])]


def _chosen(images, view, reading):
    """The image for a tile, or None."""
    found = [image for image in images if view_of(image, reading) == view]
    flat = [image for image in found if image.get("SOPClassUID") != TOMOSYNTHESIS]
    tomo = [image for image in found if image.get("SOPClassUID") == TOMOSYNTHESIS]
    found = {"instead of 2D": tomo or flat, "where there is no 2D": flat or tomo}.get(reading["tomosynthesis"], flat)
    if not found:
        return None
    if reading["several"] == "latest":
        return max(found, key=lambda image: image.get("ContentTime"))
    return min(found, key=lambda image: image.get("InstanceNumber"))


VIEW_FROM, SCHEMES = ("view code", "view position", "series description"), ("SCT", "SRT")
SIDE_FROM = ("image laterality", "frame laterality", "series laterality")
CHOICES = {
    "special_views": ("leave out", "like the plain view"), "tomosynthesis": ("instead of 2D", "where there is no 2D", "leave out"),
    "several": ("latest", "first number"), "missing": ("nothing", "next image"), "turn": ("patient orientation", "right breasts", "never"),
    "prior_modality": ("same", "related", "any"), "prior_body_part": ("same", "any"),
}
LISTS = {"view_from": VIEW_FROM, "code_schemes": SCHEMES, "side_from": SIDE_FROM, "intents": ("FOR PRESENTATION", "FOR PROCESSING")}


def _text(value, name):
    if type(value) is not str:
        raise ValueError(f"`{name}` is text, in quotes")
    return " ".join(value.split())


def _one_of(value, name, options):
    text = _text(value, name).casefold()
    for option in options:
        if text == option.casefold():
            return option
    which = "holds one or more of" if name in LISTS or name == "views" else "is one of"
    raise ValueError(f"`{name}` {which} {', '.join(options)}")


def _list(value, name):
    """A list; also of a text, in which commas or semicolons part the values."""
    if type(value) is str:
        return [part for part in re.split(r"[,;]", value) if part.strip()]
    return value if type(value) is list else _refuse(f"`{name}` is a list, such as [\"...\"]")


def _refuse(sentence):
    raise ValueError(sentence)


def read_reading(value):
    """A workstation's way of reading headers as it was typed in, in the form that `layout` takes. Raises ValueError with a sentence."""
    if type(value) is not dict:
        raise ValueError("they are a dictionary")
    names = [*LISTS, *CHOICES, "prior_years"]
    for name in names:
        if name not in value:
            raise ValueError(f"`{name}` is missing")
    for name in value:
        if name not in names:
            raise ValueError("there is a setting that the workstation does not have")
    found = {name: [_one_of(one, name, options) for one in _list(value[name], name)] for name, options in LISTS.items()}
    found |= {name: _one_of(value[name], name, options) for name, options in CHOICES.items()}
    years = value["prior_years"]
    in_words = re.fullmatch(r"\s*(\d{1,3})\s*(years?)?\s*", years, re.IGNORECASE) if type(years) is str else None
    years = int(in_words[1]) if in_words else years
    if type(years) not in (int, float) or not 0 <= years <= 100 or years != int(years):
        raise ValueError("`prior_years` is a whole number of years")
    found["prior"] = {"modality": found.pop("prior_modality"), "body_part": found.pop("prior_body_part"), "years": int(years)}
    return found


def read_protocols(value):
    """Protocols as they were typed in, in the form that `layout` takes. Raises ValueError with a sentence."""
    if type(value) is dict:
        value = [value]
    if type(value) is not list or not 0 < len(value) <= 20:
        raise ValueError("the protocols are a list of dictionaries")
    return [_protocol(one, number) for number, one in enumerate(value, 1)]


def _protocol(one, number):
    if type(one) is not dict:
        raise ValueError(f"protocol {number} is a dictionary")
    known = ("name", "modality", "body_part", "views", "prior", "grid", "tiles")
    for name in one:
        if name not in known:
            raise ValueError(f"protocol {number} has an entry that is none of {', '.join(known)}")
    if "grid" not in one or "tiles" not in one:
        raise ValueError(f"protocol {number} needs `grid` and `tiles`")
    grid = one["grid"]
    if type(grid) is not list or len(grid) != 2 or not all(type(n) is int and 1 <= n <= 6 for n in grid):
        raise ValueError(f"`grid` of protocol {number} is [rows, columns], such as [1, 2]")
    rows = _list(one["tiles"], "tiles")
    if all(type(row) is list for row in rows):        # written row by row
        rows = [text for row in rows for text in row]
    tiles = [_tile(text, number) for text in rows]
    if len(tiles) != grid[0] * grid[1]:
        raise ValueError(f"protocol {number} has {grid[0] * grid[1]} places in its grid, but {len(tiles)} tiles")
    if one.get("prior") not in (True, False, None):
        raise ValueError(f"`prior` of protocol {number} is True, False or None")
    lists = {name: [_text(text, name).upper() for text in _list(one.get(name) or [], name)] for name in ("modality", "body_part", "views")}
    for view in lists["views"]:
        _one_of(view, "views", TILED)
    return {"name": _text(one.get("name", f"Protocol {number}"), "name"), **lists, "prior": one.get("prior"), "grid": grid, "tiles": tiles}


def _tile(text, number):
    words = _text(text, "tiles").split()
    if len(words) == 1 and words[0].casefold() == "empty":
        return "empty"
    words = ["LAT" if word.casefold() == "lateral" else word for word in words]
    if len(words) != 2 or words[0].casefold() not in ("current", "prior") or words[1].upper() not in TILED:
        raise ValueError(f"a tile of protocol {number} is \"current\" or \"prior\" and a view ({', '.join(TILED)}), or \"empty\"")
    return f"{words[0].casefold()} {words[1].upper()}"


# --- DICOM Hanging Protocol objects (PS3.3 A.44, C.23)

def suits(protocol, study):
    """Whether any image of a study passes the selectors of an image set."""
    return any(_in_set(image, one) for one in protocol.ImageSetsSequence for image in study.images)


def _in_set(image, image_set):
    return all(_selected(image, item) for item in image_set.ImageSetSelectorSequence)


def hung_by(protocol, study, others):
    """What a Hanging Protocol object shows of a study and the patient's others: [(place, which, image or None)] by display sets.

    place : (left, top, right, bottom) from 0 to 1, from the lower left corner as in the object
    which : "current" or "prior"
    Understands what a plain protocol of radiographs needs: selectors and filters by CS values, the current study and the nth prior.
    """
    sets = {}
    for image_set in protocol.ImageSetsSequence:
        suiting = lambda one: [image for image in one.images if _in_set(image, image_set)]
        priors = sorted((other for other in others if other.date < study.date and suiting(other)), key=lambda one: one.date, reverse=True)
        for item in image_set.TimeBasedImageSetsSequence:
            which, found = "current", suiting(study)
            if item.ImageSetSelectorCategory == "ABSTRACT_PRIOR":
                which = "prior"
                first, last = item.AbstractPriorValue
                found = [image for one in priors[first - 1 : last if last > 0 else None] for image in suiting(one)] if first > 0 else []
            sets[item.ImageSetNumber] = which, found
    shown = []
    for display in sorted(protocol.DisplaySetsSequence, key=lambda one: one.DisplaySetNumber):
        which, images = sets.get(display.ImageSetNumber, ("", []))
        found = [image for image in images if all(_passes(image, item) for item in display.FilterOperationsSequence)]
        shown.append((tuple(display.ImageBoxesSequence[0].DisplayEnvironmentSpatialPosition), which, found[0] if found else None))
    return shown


def _value(image, item):
    """The value that a selector is about, and those that it wants; None when the image does not have the attribute."""
    from pydicom.datadict import keyword_for_tag

    wanted = item.SelectorCSValue
    found = image.get(keyword_for_tag(item.SelectorAttribute))
    return found or None, {wanted} if isinstance(wanted, str) else set(wanted)


def _selected(image, item):
    found, wanted = _value(image, item)
    return item.ImageSetSelectorUsageFlag == "MATCH" if found is None else found in wanted


def _passes(image, item):
    found, wanted = _value(image, item)
    return found in wanted
