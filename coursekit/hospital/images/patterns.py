"""Test patterns for displays: our own drawings, for what AAPM's reports on display quality and SMPTE RP 133 look at.

They are drawn for viewing pixel by pixel: enlarged or reduced, lines of one pixel say nothing. Levels are digital driving
levels of an 8-bit display, 0 to 255; the window of each object passes them on unchanged. A pattern is the same in every
edition.

    pattern_qc       everything at one look: 18 patches, ramps, line pairs, letters that fade, black and white with 5 % in it
    pattern_ln       the 18 patches one by one, for the photometer: a frame each
    pattern_uniform  two frames of one level each, dark and bright
    pattern_grid     lines and a circle, for distortion and aspect ratio
    pattern_smpte    steps of 10 %, with 5 % in black and 95 % in white, line pairs in corners and middle

`truth` gives
    levels       {place: level} of the patches; for "pattern_ln" and "pattern_uniform" a list by frame
    background   level around the patches
    letters      of "pattern_qc": {background: [difference of each letter from it]}
    line_pairs   {place: pixels in a line}; a place has lines across on its left half, upright ones on its right
    spacing      of "pattern_grid": pixels from line to line; circle: its radius in pixels

`regions` names the places, those of multi-frame objects in each frame.
"""

import numpy as np

from coursekit.hospital.images import common, drawing

SC_STORAGE = "1.2.840.10008.5.1.4.1.1.7"
SC_BYTES_STORAGE = "1.2.840.10008.5.1.4.1.1.7.2"
DATE, TIME = "20250401", "070000"
LEVELS = tuple(range(0, 256, 15))
# A fifth of the highest luminance: that is no fifth of the levels, but level 157 on a display that is calibrated by
# PS3.14 from 1 to 350 cd/m2, whose levels are even steps to the eye and not to a meter.
FIFTH = 157
DARK, BRIGHT = 26, 204  # 10 % and 80 % of the levels

# Letters of five by seven dots, a text row each.
LETTERS = {
    "A": (".###.", "#...#", "#...#", "#####", "#...#", "#...#", "#...#"),
    "B": ("####.", "#...#", "#...#", "####.", "#...#", "#...#", "####."),
    "E": ("#####", "#....", "#....", "####.", "#....", "#....", "#####"),
    "H": ("#...#", "#...#", "#...#", "#####", "#...#", "#...#", "#...#"),
    "L": ("#....", "#....", "#....", "#....", "#....", "#....", "#####"),
    "O": (".###.", "#...#", "#...#", "#...#", "#...#", "#...#", ".###."),
    "R": ("####.", "#...#", "#...#", "####.", "#.#..", "#..#.", "#...#"),
    "U": ("#...#", "#...#", "#...#", "#...#", "#...#", "#...#", ".###."),
    "V": ("#...#", "#...#", "#...#", "#...#", "#...#", ".#.#.", "..#.."),
}
WORD = "HARBOURVALE"
FADING = (13, 11, 9, 8, 7, 6, 5, 4, 3, 2, 1)  # how far each letter of WORD is from its background


def letter(picture, row, column, which, value, scale):
    """Draw one of LETTERS into `picture`, in place, its corner at (row, column), each dot `scale` pixels wide."""
    dots = np.array([[dot == "#" for dot in line] for line in LETTERS[which]])
    dots = np.repeat(np.repeat(dots, scale, axis=0), scale, axis=1)
    picture[row : row + dots.shape[0], column : column + dots.shape[1]][dots] = value


def box(picture, place, value):
    """Fill a place (first row, row after, first column, column after)."""
    top, bottom, left, right = place
    picture[top:bottom, left:right] = value


def inset(place, share):
    """The place in the middle of `place`, with `share` of its height and width."""
    top, bottom, left, right = place
    rows, columns = (bottom - top) * (1 - share) / 2, (right - left) * (1 - share) / 2
    return round(top + rows), round(bottom - rows), round(left + columns), round(right - columns)


def line_pairs(picture, place, width, low, high):
    """Lines `width` pixels thick, `low` and `high` in turn: across on the left half of `place`, upright on the right."""
    top, bottom, left, right = place
    middle = (left + right) // 2
    across = np.arange(bottom - top) // width % 2 == 0
    upright = np.arange(right - middle) // width % 2 == 0
    picture[top:bottom, left:middle] = np.where(across, high, low)[:, None]
    picture[top:bottom, middle:right] = np.where(upright, high, low)[None, :]


def _object(number, sop_class, description, pixels):
    """The object of a pattern; `pixels` uint8, (rows, columns) or (frames, rows, columns)."""
    study = common.invented("WS_CH1", DATE, 1)
    ds = common.dataset(sop_class, (study, f"{study}.1", f"{study}.1.{number}"), "WS_CH1")
    common.patient(ds, "QC^DISPLAY TEST PATTERN", "QC-DISPLAY", "", "O")
    ds.QualityControlSubject = "YES"
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = DATE
    ds.StudyTime, ds.SeriesTime, ds.ContentTime = TIME, TIME, common.clock_time(TIME, number)
    ds.AccessionNumber, ds.StudyID = "", "QC0401"
    ds.StudyDescription, ds.SeriesDescription, ds.ImageComments = "Display test patterns", "Test patterns, 8 bits", description
    ds.Modality, ds.ConversionType = "OT", "SYN"
    ds.Manufacturer, ds.ManufacturerModelName = "Harbour Vale Medical Physics", "Pattern maker"
    ds.SoftwareVersions, ds.DeviceSerialNumber = "3", "HVMP-3"
    ds.SeriesNumber, ds.InstanceNumber = 1, number
    ds.Laterality, ds.PatientOrientation = "", ""
    ds.ImageType = ["DERIVED", "SECONDARY"]
    ds.BurnedInAnnotation = "NO"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.PresentationLUTShape = "IDENTITY"
    common.scale(ds, 1, 0, "US")
    common.window(ds, 128, 256)  # by the formula of PS3.3 C.11.2.1.2 this leaves 0 to 255 as they are
    if pixels.ndim == 3:
        ds.NumberOfFrames = len(pixels)
        ds.FrameIncrementPointer = 0x00182001  # Page Number Vector
        ds.PageNumberVector = list(range(1, len(pixels) + 1))
    common.encoding(ds, pixels, 8)
    return ds


# --- all at one look

SIZE, GROUND = 1024, 97  # the level between two of the patches
RING = (272, 224, 96, 88)  # first row and column of the ring of patches, from patch to patch, side of a patch


def _ring():
    """The places of the 18 patches: clockwise around a field of 4 by 3 patches."""
    top, left, pitch, side = RING
    cells = ([(0, column) for column in range(6)] + [(row, 5) for row in range(1, 5)]
             + [(4, column) for column in range(4, -1, -1)] + [(row, 0) for row in range(3, 0, -1)])
    return [(top + pitch * row, top + pitch * row + side, left + pitch * column, left + pitch * column + side)
            for row, column in cells]


QC_PAIRS = {
    "line pairs top left": (40, 104, 40, 104), "line pairs top right": (40, 104, 920, 984),
    "line pairs bottom left": (920, 984, 40, 104), "line pairs bottom right": (920, 984, 920, 984),
    "line pairs middle": (384, 480, 464, 560),
}
COARSE_PAIRS, FAINT_PAIRS = (544, 640, 400, 496), (544, 640, 528, 624)
BLACK, WHITE = (384, 480, 336, 432), (384, 480, 592, 688)
STRIPS = {0: 776, 128: 832, 255: 888}  # background of the letters: first row
STRIP_HEIGHT, LETTER_SCALE = 52, 5


def _qc_places():
    places = {f"level {level}": place for level, place in zip(LEVELS, _ring(), strict=True)}
    places |= QC_PAIRS | {"line pairs coarse": COARSE_PAIRS, "line pairs faint": FAINT_PAIRS}
    places |= {"black": BLACK, "5 %": inset(BLACK, 0.4), "white": WHITE, "95 %": inset(WHITE, 0.4)}
    return places | {f"letters on {ground}": (row, row + STRIP_HEIGHT, 224, 800) for ground, row in STRIPS.items()}


def _qc_pixels():
    picture = np.full((SIZE, SIZE), GROUND, np.uint8)
    for at in range(64, SIZE, 128):
        picture[at, :] = picture[:, at] = 140
    box(picture, (104, 920, 208, 816), GROUND)
    for edge in (10, SIZE - 11):
        picture[edge, 10 : SIZE - 10] = picture[10 : SIZE - 10, edge] = 255
    places = _qc_places()
    for level, place in zip(LEVELS, _ring(), strict=True):
        box(picture, place, level)
        # In two corners of each patch a square of four levels more, or less where there are no more.
        step = 4 if level < 250 else -4
        top, bottom, left, right = place
        box(picture, (top + 6, top + 18, left + 6, left + 18), level + step)
        box(picture, (bottom - 18, bottom - 6, right - 18, right - 6), level + step)
    for name in QC_PAIRS:
        line_pairs(picture, places[name], 1, 0, 255)
    line_pairs(picture, COARSE_PAIRS, 2, 0, 255)
    line_pairs(picture, FAINT_PAIRS, 1, 124, 132)
    for ground, insert, name in ((0, 13, "black"), (255, 242, "white")):
        box(picture, places[name], ground)
        box(picture, inset(places[name], 0.4), insert)
    up = np.arange(256, dtype=np.uint8)
    picture[128:896, 56:120] = np.repeat(up[::-1], 3)[:, None]
    picture[128:896, 904:968] = np.repeat(up, 3)[:, None]
    picture[152:216, 256:768] = np.repeat(up, 2)
    picture[960:1000, 256:768] = np.repeat(up[::-1], 2)
    for ground, row in STRIPS.items():
        box(picture, (row, row + STRIP_HEIGHT, 224, 800), ground)
        for place, (which, step) in enumerate(zip(WORD, FADING, strict=True)):
            value = ground + (step if ground < 255 else -step)
            letter(picture, row + 9, 237 + 52 * place, which, value, LETTER_SCALE)
    return picture


def _pattern_qc(seed):
    return _object(1, SC_STORAGE, "Overview pattern", _qc_pixels())


def _qc_truth(seed):
    levels = {f"level {level}": level for level in LEVELS} | {"black": 0, "5 %": 13, "white": 255, "95 %": 242}
    return {
        "levels": levels, "background": GROUND,
        "letters": {ground: [step if ground < 255 else -step for step in FADING] for ground in STRIPS},
        "line_pairs": {name: 1 for name in (*QC_PAIRS, "line pairs faint")} | {"line pairs coarse": 2},
    }


# --- frames for the photometer and the eye

SMALL = 256
PATCH = (88, 168, 88, 168)  # a tenth of the area


def _pattern_ln(seed):
    frames = np.full((len(LEVELS), SMALL, SMALL), FIFTH, np.uint8)
    for frame, level in zip(frames, LEVELS, strict=True):
        box(frame, PATCH, level)
    return _object(2, SC_BYTES_STORAGE, "Luminance patches, levels 0 to 255 in steps of 15", frames)


def _pattern_uniform(seed):
    frames = np.empty((2, SMALL, SMALL), np.uint8)
    frames[0], frames[1] = DARK, BRIGHT
    return _object(3, SC_BYTES_STORAGE, "Uniform fields of 10 % and 80 %", frames)


def _uniform_places(seed):
    """Where uniformity is measured: the middle and near the corners."""
    low, high, side = 16, SMALL - 56, 40
    return {name: (row, row + side, column, column + side) for name, row, column in (
        ("middle", 108, 108), ("top left", low, low), ("top right", low, high), ("bottom left", high, low),
        ("bottom right", high, high))}


# --- geometry

SPACING, CIRCLE = 64, 448


def _pattern_grid(seed):
    picture = np.zeros((SIZE, SIZE), np.uint8)
    x, y = drawing.grid(SIZE, SIZE, 1.0)
    round_ = drawing.cover(1.0 - np.abs(np.sqrt(x * x + y * y) - CIRCLE), 1.0)
    picture[:] = np.round(180 * round_)
    for at in range(SPACING // 2, SIZE, SPACING):
        picture[at, :] = picture[:, at] = 200
    middle = SIZE // 2
    picture[middle - 1 : middle + 1, :] = picture[:, middle - 1 : middle + 1] = 255
    picture[[0, -1], :] = 255
    picture[:, [0, -1]] = 255
    return _object(4, SC_STORAGE, "Grid of 64 pixels, circle of radius 448", picture)


# --- steps of 10 %

VIDEO = 512


def _percent(share):
    return int(share * 255 / 100 + 0.5)


def _steps():
    """{percent: place} of the patches: 0 to 100 % around the middle, from the bottom left clockwise."""
    side, pitch = 48, 56
    cells = [(4, 0), (3, 0), (2, 0), (1, 0), (0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4), (4, 4)]
    return {10 * number: (116 + pitch * row, 116 + pitch * row + side, 120 + pitch * column, 120 + pitch * column + side)
            for number, (row, column) in enumerate(cells)}


VIDEO_BLACK, VIDEO_WHITE = (340, 388, 184, 248), (340, 388, 264, 328)
VIDEO_PAIRS = {"line pairs middle": (232, 280, 232, 280), "line pairs top left": (36, 84, 36, 84),
               "line pairs top right": (36, 84, 428, 476), "line pairs bottom left": (428, 476, 36, 84),
               "line pairs bottom right": (428, 476, 428, 476)}
VIDEO_WIDE = {"line pairs of 2": (176, 216, 196, 236), "line pairs of 3": (176, 216, 276, 316)}
VIDEO_FAINT = {"line pairs of 5 %": (296, 328, 184, 224), "line pairs of 1 %": (296, 328, 288, 328)}


def _smpte_places(seed=0):
    places = {f"{percent} %": place for percent, place in _steps().items()}
    places |= VIDEO_PAIRS | VIDEO_WIDE | VIDEO_FAINT
    return places | {"black": VIDEO_BLACK, "5 %": inset(VIDEO_BLACK, 0.5), "white": VIDEO_WHITE, "95 %": inset(VIDEO_WHITE, 0.5)}


def _pattern_smpte(seed):
    grey = _percent(50)
    picture = np.full((VIDEO, VIDEO), grey, np.uint8)
    for at in range(16, VIDEO, 32):
        picture[at, :] = picture[:, at] = _percent(75)
    box(picture, (104, 400, 104, 408), grey)
    places = _smpte_places()
    for percent, place in _steps().items():
        box(picture, place, _percent(percent))
    for name in VIDEO_PAIRS:
        box(picture, inset(places[name], 1.3), grey)
        line_pairs(picture, places[name], 1, 0, 255)
    for name, width in zip(VIDEO_WIDE, (2, 3)):
        line_pairs(picture, places[name], width, 0, 255)
    for name, half in zip(VIDEO_FAINT, (6, 1)):
        line_pairs(picture, places[name], 2, grey - half, grey + half)
    for name, insert, share in (("black", "5 %", 5), ("white", "95 %", 95)):
        box(picture, places[name], 255 * (name == "white"))
        box(picture, places[insert], _percent(share))
    # A white window in black and a black one in white: what is smeared or streaks shows beside them.
    for top, ground in ((440, 0), (40, 255)):
        box(picture, (top, top + 32, 116, 396), ground)
        box(picture, (top, top + 32, 196, 316), 255 - ground)
    picture[[4, VIDEO - 5], 4 : VIDEO - 4] = 255
    picture[4 : VIDEO - 4, [4, VIDEO - 5]] = 255
    return _object(5, SC_STORAGE, "Steps of 10 % with 5 % and 95 %", picture)


def _smpte_truth(seed):
    levels = {f"{percent} %": _percent(percent) for percent in _steps()}
    return {"levels": levels | {"black": 0, "5 %": _percent(5), "white": 255, "95 %": _percent(95)}, "background": _percent(50),
            "line_pairs": {**{name: 1 for name in VIDEO_PAIRS}, "line pairs of 2": 2, "line pairs of 3": 3,
                           **{name: 2 for name in VIDEO_FAINT}}}


IMAGES = {"pattern_qc": _pattern_qc, "pattern_ln": _pattern_ln, "pattern_uniform": _pattern_uniform,
          "pattern_grid": _pattern_grid, "pattern_smpte": _pattern_smpte}
REGIONS = {"pattern_qc": lambda seed: _qc_places(), "pattern_ln": lambda seed: {"patch": PATCH}, "pattern_uniform": _uniform_places,
           "pattern_smpte": _smpte_places}
TRUTH = {"pattern_qc": _qc_truth, "pattern_ln": lambda seed: {"levels": list(LEVELS), "background": FIFTH},
         "pattern_uniform": lambda seed: {"levels": [DARK, BRIGHT]}, "pattern_grid": lambda seed: {"spacing": SPACING, "circle": CIRCLE},
         "pattern_smpte": _smpte_truth}
