"""Photographs: a wound of the lower leg with a paper ruler beside it (VL Photographic, PS3.3 A.32.4), in true colour.

The wound clinic has no orders: the photograph has no accession number, and the camera made up the Study Instance UID.

`truth` gives
    length, width   of the wound between its edges along and across the leg, mm
    spacing         mm a pixel, where the ruler lies
    ruler           ((column, row) of its zero, (column, row) of its last centimetre), and how many centimetres
    story           (role, procedure)
"""

from functools import lru_cache

import numpy as np

from coursekit.hospital.draws import Draws
from coursekit.hospital.images import common, drawing

VL_PHOTOGRAPHIC_STORAGE = "1.2.840.10008.5.1.4.1.1.77.1.4"
ROWS, COLUMNS, SPACING = 600, 800, 0.25
DATE, TIME = "20250404", "114200"
SKINS = ((148, 98, 70), (206, 160, 132), (226, 186, 160), (116, 76, 54))  # of a lit part, RGB
CLOTH, GRANULATION, SLOUGH, RIM = (58, 108, 128), (160, 40, 40), (200, 172, 104), (192, 108, 100)
CENTIMETRES = 7
DIGITS = {
    "0": ("###", "#.#", "#.#", "#.#", "###"), "1": (".#.", "##.", ".#.", ".#.", "###"), "2": ("###", "..#", "###", "#..", "###"),
    "3": ("###", "..#", ".##", "..#", "###"), "4": ("#.#", "#.#", "###", "..#", "..#"), "5": ("###", "#..", "###", "..#", "###"),
    "6": ("###", "#..", "###", "#.#", "###"), "7": ("###", "..#", ".#.", ".#.", ".#."),
}


class _Wound:
    def __init__(self, seed):
        draws = Draws(seed, "xc_wound")
        self.draws = draws
        self.skin = SKINS[0 if seed == 0 else draws.one(0, len(SKINS) - 1)]
        self.length = 42.0 if seed == 0 else float(draws.one(30, 52))  # along the leg, before its edge wanders, mm
        self.width = 28.0 if seed == 0 else float(draws.one(18, 32))
        self.side = "L" if seed == 0 else "LR"[draws.one(0, 1)]


def _mix(picture, colour, amount):
    """Put `colour` (RGB, or an array of it) over `picture`, in place, as far as `amount` says."""
    picture += (np.asarray(colour, dtype=float) - picture) * amount[..., None]


def _ruler(picture, x, y):
    """A paper ruler along the leg, 12 mm wide, with marks for millimetres and numbers for centimetres."""
    top, left = 47.0, -35.0
    paper = drawing.cover(np.minimum(np.minimum(y - top, top + 12 - y), np.minimum(x - left + 5, left + 75 - x)), SPACING)
    shadow = drawing.blur(np.round(paper * 4096).astype(np.int64), 4, 2) / 4096
    picture *= (1 - 0.35 * np.roll(shadow, 6, axis=0) * (1 - paper))[..., None]
    _mix(picture, (232, 230, 222), paper)
    for mm in range(10 * CENTIMETRES + 1):
        tall = 4.5 if mm % 10 == 0 else 3.2 if mm % 5 == 0 else 2.0
        column, row = _pixel(left + mm, top)
        part = slice(row - 2, row + 21), slice(column - 2, column + 3)
        mark = drawing.cover(0.16 - np.abs(x[part] - left - mm), SPACING) * drawing.cover(
            np.minimum(y[part] - top, top + tall - y[part]), SPACING)
        _mix(picture[part], (30, 30, 34), mark)
    for cm in range(CENTIMETRES + 1):
        dots = np.array([[dot == "#" for dot in line] for line in DIGITS[str(cm)]])
        dots = np.repeat(np.repeat(dots, 3, axis=0), 3, axis=1)
        column, row = _pixel(left + 10 * cm, top + 5.6)
        picture[row : row + dots.shape[0], column - 4 : column - 4 + dots.shape[1]][dots] = (30, 30, 34)
    return _pixel(left, top), _pixel(left + 10 * CENTIMETRES, top)


def _pixel(x, y):
    """Column and row of a point in mm."""
    return round((COLUMNS - 1) / 2 + x / SPACING), round((ROWS - 1) / 2 + y / SPACING)


@lru_cache(maxsize=2)
def _photograph(seed):
    """The picture (rows, columns, 3), where the ruler begins and ends, and the wound's length and width in mm."""
    wound = _Wound(seed)
    x, y = drawing.grid(ROWS, COLUMNS, SPACING)
    broad, middle, fine = (drawing.clouds(wound.draws, x.shape, radius) - 0.5 for radius in (40, 12, 2))
    # A folded cloth, and on it the leg, lying across the picture: rounder and darker towards its edges.
    weave = 6 * ((np.arange(COLUMNS)[None, :] + np.arange(ROWS)[:, None]) % 4 < 2) + 40 * broad + 10 * fine
    picture = np.asarray(CLOTH, dtype=float) + weave[..., None]
    half = 62 + 0.05 * x + 6 * drawing.soft(x, 20, 110)
    across = (y + 4) / half
    leg = drawing.cover((1 - np.abs(across)) * half, SPACING)
    shadow = drawing.blur(np.round(leg * 4096).astype(np.int64), 12, 2) / 4096
    picture *= (1 - 0.45 * shadow)[..., None]
    light = 0.52 + 0.48 * np.sqrt(np.clip(1 - across * across, 0, 1)) - 0.10 * across
    tone = light * (1 + 0.16 * broad + 0.12 * middle + 0.06 * fine)
    skin = np.asarray(wound.skin, dtype=float) * tone[..., None]
    # Brown stain around the ankle, as old blood leaves it, and creases of the skin.
    _mix(skin, np.asarray(wound.skin) * (0.55, 0.48, 0.45), np.clip(0.5 + 1.2 * middle + 0.8 * broad, 0, 1) * 0.5
         * (1 - drawing.soft(drawing.ellipse(x, y, 0, 0, 75, 48), 0.5, 1.15)))
    _mix(picture, skin, leg)
    size = _wound(picture, wound, x, y, light, (broad, middle, fine))
    ruler = _ruler(picture, x, y)
    noise = drawing.normal(wound.draws, x.shape)[..., None] * 2.2
    return np.clip(np.round(picture + noise), 0, 255).astype(np.uint8), ruler, size


def _wound(picture, wound, x, y, light, clouds):
    """Paint the wound and its surroundings into `picture`; the edge wanders. Returns how long and wide it came out, mm."""
    part = slice(150, 430), slice(220, 580)
    x, y, light, (broad, middle, fine) = x[part], y[part], light[part], (cloud[part] for cloud in clouds)
    picture = picture[part]
    small = drawing.clouds(wound.draws, x.shape, 5) - 0.5
    edge = drawing.ellipse(x, y, 0, -6, wound.length / 2, wound.width / 2)
    edge = edge + (0.16 * middle + 0.14 * broad + 0.06 * small) * drawing.soft(edge, 0.2, 0.6)
    _mix(picture, np.asarray(RIM) * light[..., None], 0.55 * (1 - drawing.soft(edge, 1.0, 1.5)))
    new_skin = drawing.soft(edge, 0.92, 1.0) * (1 - drawing.soft(edge, 1.02, 1.16))
    _mix(picture, np.asarray((214, 150, 138)) * light[..., None], 0.7 * new_skin)
    bed = np.asarray(GRANULATION) * (0.92 + 0.30 * fine + 0.35 * small + 0.2 * middle)[..., None]
    # Yellow towards the middle, where a wound is deepest and heals last.
    yellow = drawing.soft(0.5 * middle + 0.7 * small + 0.12 * fine + 0.5 * (0.55 - edge), 0.02, 0.26)
    _mix(bed, np.asarray(SLOUGH) * (0.88 + 0.3 * fine + 0.3 * small)[..., None], 0.9 * yellow)
    bed *= (0.62 + 0.38 * drawing.soft(1 - edge, 0.0, 0.16))[..., None]  # the edge throws a shadow into the wound
    inside = 1 - drawing.soft(edge, 0.95, 1.0)
    _mix(picture, bed, inside)
    _mix(picture, (250, 240, 236), 0.65 * inside * drawing.soft(fine + 0.6 * small, 0.52, 0.66))  # where it is wet
    return tuple(float(SPACING * np.count_nonzero((edge < 1).any(axis=axis))) for axis in (0, 1))


def _xc_wound(seed):
    wound = _Wound(seed)
    picture, *_ = _photograph(seed)
    study = common.invented("XC_WOUND", DATE, 1)
    ds = common.dataset(VL_PHOTOGRAPHIC_STORAGE, (study, f"{study}.1", f"{study}.1.1"), "XC_WOUND")
    common.story_person(ds, seed, "P10")
    common.when(ds, DATE, TIME, TIME, common.clock_time(TIME, 36))
    ds.AccessionNumber, ds.StudyID = "", "1"
    ds.Modality, ds.Manufacturer, ds.ManufacturerModelName = "XC", "Lichtbild", "Clinic 24"
    ds.SoftwareVersions, ds.DeviceSerialNumber = "1.6", "LB-24-0093"
    ds.StudyDescription, ds.SeriesDescription = "XC WOUND PHOTOGRAPHY", "Lower leg"
    ds.SeriesNumber, ds.InstanceNumber = 1, 1
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.ImageLaterality, ds.PatientOrientation = wound.side, ""
    ds.AnatomicRegionSequence = [common.code("30021000", "SCT", "Lower leg")]
    ds.AcquisitionContextSequence = []
    ds.BurnedInAnnotation, ds.LossyImageCompression = "NO", "00"
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    common.encoding(ds, picture[None], 8)
    return ds


def _xc_wound_truth(seed):
    _, ruler, (length, width) = _photograph(seed)
    return {"length": length, "width": width, "spacing": SPACING, "ruler": (*ruler, CENTIMETRES), "story": ("P10", "XCWND")}


IMAGES = {"xc_wound": _xc_wound}
TRUTH = {"xc_wound": _xc_wound_truth}
