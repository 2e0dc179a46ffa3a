"""Test plates of the plate reader CR_ER1, as read out for quality control: linear, without image processing.

    plate_uniform       flat field, 8 µGy; plate_uniform_low the same with a quarter of it
    plate_lines         line pairs, a slanted edge of lead, discs that fade and shrink
    plate_mesh          a wire mesh, pressed on badly in one place
    plate_ghost         a low exposure on a plate that was not erased well: the hand before it still shows
    plate_artefact      specks of dust, a scratch, a line of the rollers, a scan line that was lost

Stored values are proportional to the air kerma at the plate, 200 a µGy, before noise; more is darker (MONOCHROME1). The
exposure index is 100 times that kerma in µGy, as IEC 62494-1 defines it for its calibration beam, which this is taken to be.

Each pixel's noise is its own (white), of three parts whose variances add: quanta, whose variance goes with the kerma;
grain of the plate, a fixed share of the signal; electronics, the same everywhere. So the SNR grows with the root of the
kerma where quanta prevail, and less where the plate's grain does. Sharpness: a pixel's own square, then a spread with the
weights 1/4, 1/2, 1/4 along rows and columns, before the noise.

`truth` gives
    kerma     µGy in the middle of the field; EI, EIT and DI, the exposure, target and deviation index
    signal    stored value in the middle; sigma its noise; both without blemishes
    noise     parts of sigma: {"quanta", "grain", "electronics"}
    shading   of the heel effect and distance: (left, right, top, bottom) edge's middle as a share of the field's middle
    MTF       {line pairs per mm: modulation transfer}
    limit     Nyquist frequency, line pairs per mm
    line_pairs of "plate_lines": those of the groups, per mm, in order; and
    discs     list of (contrast in %, diameter in mm, its SNR): contrast · signal · root of its pixels / sigma
    faults    of the plates with faults: {what: places}, a place as in `regions`
    ghost     of "plate_ghost": share of the earlier exposure's kerma that is left
    contact   of "plate_mesh": (row, column, radius in pixels) of the bad patch

`regions` names where to measure.
"""

import math

import numpy as np

from coursekit.hospital.draws import Draws
from coursekit.hospital.images import common, drawing
from coursekit.hospital.images.cr import CR_STORAGE

ROWS, COLUMNS, SPACING = 1200, 900, 0.2  # a cassette of 24 by 18 cm
DATE, TIME = "20250404", "081204"
GAIN, TARGET = 200, 250  # stored values a µGy; target exposure index of the unit
KERMA = {"plate_uniform": 8.0, "plate_uniform_low": 2.0, "plate_lines": 8.0, "plate_mesh": 8.0, "plate_ghost": 1.0,
         "plate_artefact": 8.0}
# Quanta that count, for a pixel and a µGy: of some 30 000 that fall on a mm2 of the plate at 70 kV, a quarter (its DQE).
QUANTA = 30_000 * 0.25 * SPACING * SPACING
GRAIN, ELECTRONICS = 0.008, 3.0  # share of the signal; stored values
SOURCE, TILT = 1150.0, 0.035  # mm from focus to plate; heel effect, share of the signal lost in 100 mm to the anode's side
LEAD = 0.004  # what passes through lead
MIDDLE = (ROWS // 2, COLUMNS // 2)


def _grid():
    return drawing.grid(ROWS, COLUMNS, SPACING)


def _field(x, y):
    """The kerma at each pixel as a share of that in the middle: heel effect along y, and the greater distance off the middle."""
    away = (x * x + y * y) / (SOURCE * SOURCE)
    distance = 1 / ((1 + away) * np.sqrt(1 + away))  # inverse square, and the slant of the plate to the beam
    t = y / 100.0
    return distance * (1 - TILT * t - 0.015 * t * t)


def _spread(signal):
    """Light that spreads in the plate: weights 1/4, 1/2, 1/4 along rows and columns."""
    for axis in (0, 1):
        padded = np.pad(signal, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        first, last = (padded[:-2], padded[2:]) if axis == 0 else (padded[:, :-2], padded[:, 2:])
        signal = (first + last + 2 * signal) / 4
    return signal


def _variance(kerma):
    """Variances of the three parts of the noise, in stored values squared, at a kerma in µGy."""
    signal = GAIN * kerma
    return signal * signal / (QUANTA * kerma), (GRAIN * signal) ** 2, ELECTRONICS**2


def _read(draws, kerma):
    """Stored values of a plate that got `kerma` (µGy, an array): spread, noise, whole numbers. A float array."""
    kerma = np.maximum(_spread(kerma), 1e-4)
    return GAIN * kerma + drawing.normal(draws, kerma.shape) * np.sqrt(sum(_variance(kerma)))


def _object(name, values):
    number = list(KERMA).index(name) + 1
    study = common.invented("CR_ER1", DATE, 1)
    ds = common.dataset(CR_STORAGE, (study, f"{study}.{number}", f"{study}.{number}.1"), "CR_ER1")
    common.patient(ds, "QC^TEST PLATE", "QC-CR_ER1", "", "O")
    ds.QualityControlSubject = "YES"
    taken = common.clock_time(TIME, 240 * number)
    common.when(ds, DATE, TIME, taken, taken)
    ds.AccessionNumber, ds.StudyID = "", "QC0404"
    ds.Modality, ds.Manufacturer, ds.ManufacturerModelName = "CR", "Pellicula Medical", "PlateReader 3"
    ds.SoftwareVersions, ds.DeviceSerialNumber = "3.4", "PM-30077"
    ds.StudyDescription, ds.SeriesDescription = "QC of plates", f"{name.removeprefix('plate_').replace('_', ' ')}, linear"
    ds.SeriesNumber, ds.InstanceNumber = number, 1
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.BodyPartExamined, ds.ViewPosition, ds.Laterality, ds.PatientOrientation = "", "", "", ""
    ds.KVP, ds.PlateType, ds.PlateID = "70", "ST-VI", "P0417"
    ds.DistanceSourceToDetector = common.number(SOURCE)
    told = _exposure(name)
    ds.ExposureIndex, ds.TargetExposureIndex, ds.DeviationIndex = (common.number(told[key], 1) for key in ("EI", "EIT", "DI"))
    ds.ImagerPixelSpacing = [common.number(SPACING)] * 2
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME1"
    middle = GAIN * KERMA[name]
    common.window(ds, middle, max(200, round(middle * 0.8)))
    common.scale(ds, 1, 0, "US")
    common.encoding(ds, np.clip(np.round(values), 0, 4095).astype(np.uint16), 12)
    return ds


def _exposure(name):
    index = 100 * KERMA[name]
    return {"kerma": KERMA[name], "EI": index, "EIT": float(TARGET), "DI": round(10 * math.log10(index / TARGET), 1)}


def _transfer(frequency):
    """MTF along rows and columns at `frequency` line pairs per mm: the pixel's square and the spread."""
    turn = math.pi * frequency * SPACING
    return (math.sin(turn) / turn if turn else 1.0) * (1 + math.cos(2 * turn)) / 2


def _truth(name, **more):
    parts = _variance(KERMA[name])
    edges = _field(np.array([-90.0, 90.0, 0.0, 0.0]), np.array([0.0, 0.0, -120.0, 120.0]))
    return {
        **_exposure(name), "signal": GAIN * KERMA[name], "sigma": round(math.sqrt(sum(parts)), 2),
        "noise": {part: round(math.sqrt(value), 2) for part, value in zip(("quanta", "grain", "electronics"), parts, strict=True)},
        "shading": tuple(round(float(value), 3) for value in edges),
        "MTF": {pairs / 10: round(_transfer(pairs / 10), 3) for pairs in (0, 5, 10, 15, 20, 25)},
        "limit": 1 / (2 * SPACING), **more,
    }


def _around(row, column, half):
    return row - half, row + half, column - half, column + half


def _pixel(x, y):
    """Row and column of a point in mm."""
    return round((ROWS - 1) / 2 + y / SPACING), round((COLUMNS - 1) / 2 + x / SPACING)


# --- flat fields


def _flat(name):
    def make(seed):
        return _object(name, _read(Draws(seed, name), KERMA[name] * _field(*_grid())))
    return make


def _flat_regions(seed):
    places = {"middle": MIDDLE, "top left": (140, 140), "top right": (140, COLUMNS - 140), "bottom left": (ROWS - 140, 140),
              "bottom right": (ROWS - 140, COLUMNS - 140)}
    return {name: _around(row, column, 60) for name, (row, column) in places.items()}


# --- line pairs, an edge, discs

GROUPS = (0.5, 0.8, 1.0, 1.25, 1.6, 2.0, 2.4)  # line pairs per mm
CONTRASTS, DIAMETERS = (8.0, 4.0, 2.0, 1.0, 0.5), (8.0, 4.0, 2.0, 1.0)
EDGE = (-38.0, -62.0, 20.0)  # x and y of the middle, half a side, mm
SLANT = (0.998629535, 0.052335956)  # three degrees


def _gauge():
    """Each group's (x, y) of its middle in mm, the first at the top."""
    return {pairs: (42.0, -98.0 + 14.0 * place) for place, pairs in enumerate(GROUPS)}


def _disc_places():
    """(contrast, diameter, x, y) of each disc, mm: a row a diameter, contrast falling from left to right."""
    return [(contrast, diameter, -64.0 + 32.0 * across, 32.0 + 22.0 * down)
            for down, diameter in enumerate(DIAMETERS) for across, contrast in enumerate(CONTRASTS)]


def _plate_lines(seed):
    x, y = _grid()
    passed = np.ones(x.shape)
    for pairs, (cx, cy) in _gauge().items():
        width = 0.5 / pairs  # mm, of a bar and of a gap
        edges = [cx - 8.0 + 2 * bar * width for bar in range(round(16 * pairs))]
        bars = sum(_strip(x[0], left, left + width) for left in edges)
        drawing.paint(passed, 0.30, drawing.cover(4.0 - np.abs(y[:, :1] - cy), SPACING) * bars)
    cx, cy, half = EDGE
    u = (x - cx) * SLANT[0] + (y - cy) * SLANT[1]
    v = (y - cy) * SLANT[0] - (x - cx) * SLANT[1]
    drawing.paint(passed, LEAD, drawing.cover(half - np.abs(u), SPACING) * drawing.cover(half - np.abs(v), SPACING))
    for contrast, diameter, cx, cy in _disc_places():
        top, bottom, left, right = _around(*_pixel(cx, cy), 30)
        part = slice(top, bottom), slice(left, right)
        passed[part] *= 1 - contrast / 100 * drawing.disc(x[part], y[part], cx, cy, diameter / 2, SPACING)
    return _object("plate_lines", _read(Draws(seed, "plate_lines"), KERMA["plate_lines"] * _field(x, y) * passed))


def _strip(x, left, right):
    """How much of each pixel lies between `left` and `right`, exactly, however narrow the strip is."""
    return np.clip(np.minimum(x + SPACING / 2, right) - np.maximum(x - SPACING / 2, left), 0, SPACING) / SPACING


def _lines_regions(seed):
    places = {}
    for pairs, (cx, cy) in _gauge().items():
        row, column = _pixel(cx, cy)
        places[f"{pairs} lp/mm"] = (row - 14, row + 14, column - 36, column + 36)
    row, column = _pixel(EDGE[0] + EDGE[2], EDGE[1])
    places["edge"] = (row - 60, row + 60, column - 40, column + 40)
    for contrast, diameter, cx, cy in _disc_places():
        places[f"disc {contrast} % {diameter} mm"] = _around(*_pixel(cx, cy), max(2, round(diameter * 0.35 / SPACING)))
    return places


def _lines_truth(seed):
    told = _truth("plate_lines", line_pairs=GROUPS)
    discs = [(contrast, diameter, round(contrast / 100 * told["signal"] * math.sqrt(math.pi) * diameter / 2 / SPACING / told["sigma"], 1))
             for contrast, diameter, _, _ in _disc_places()]
    return {**told, "discs": discs}


# --- mesh

PITCH, WIRE = 3.175, 0.7  # mm: eight wires an inch


def _contact(seed):
    """Middle and radius of the patch of bad contact, mm."""
    draws = Draws(seed, "plate_mesh contact")
    return (34.0, 46.0, 24.0) if seed == 0 else (float(draws.one(-45, 45)), float(draws.one(-70, 70)), float(draws.one(18, 28)))


def _wires(along):
    """What a row of wires across `along` (mm) lets through: round wires, so least in their middle."""
    off = np.abs((along + 500 * PITCH) % PITCH - PITCH / 2) / (WIRE / 2)
    return 1 - 0.62 * np.sqrt(np.clip(1 - off * off, 0, 1))


def _plate_mesh(seed):
    x, y = _grid()
    # The mesh lies a little turned: in line with the pixels it would beat with them.
    u, v = x * 0.99804 + y * 0.06258, y * 0.99804 - x * 0.06258
    sharp = _wires(u) * _wires(v)
    cx, cy, radius = _contact(seed)
    fuzzy = drawing.blur(np.round(sharp * 65536).astype(np.int64), 3, 2) / 65536
    draws = Draws(seed, "plate_mesh")
    far = np.sqrt((x - cx) ** 2 + (y - cy) ** 2) / radius + 0.5 * (drawing.clouds(draws, x.shape, 30) - 0.5)
    passed = sharp + (fuzzy - sharp) * (1 - drawing.soft(far, 0.4, 1.15))
    return _object("plate_mesh", _read(draws, KERMA["plate_mesh"] * _field(x, y) * passed))


def _mesh_truth(seed):
    cx, cy, radius = _contact(seed)
    return _truth("plate_mesh", contact=(*_pixel(cx, cy), round(radius / SPACING)))


def _mesh_regions(seed):
    row, column, radius = _mesh_truth(seed)["contact"]
    # Good contact is as far across the plate as there is room.
    other = (row - 420 if row > ROWS // 2 else row + 420, COLUMNS - column)
    return {"bad contact": _around(row, column, radius // 3), "good contact": _around(*other, radius // 3)}


# --- a ghost

EARLIER = 40.0  # µGy beside the hand, in the exposure before
# Fingers as chains of bones: for each the joints' (x, y) in mm from the wrist up, and the half width of its bones.
FINGERS = (
    (((-14, 36), (-38, 6), (-52, -18), (-61, -36)), 5.2),
    (((-11, 22), (-20, -36), (-25, -76), (-28, -99), (-30, -114)), 4.6),
    (((-2, 20), (-3, -38), (-4, -84), (-5, -111), (-5, -127)), 4.7),
    (((7, 22), (14, -32), (17, -74), (19, -100), (20, -115)), 4.4),
    (((15, 26), (29, -22), (36, -52), (40, -69), (43, -81)), 3.9),
)
CARPALS = ((-15, 43, 6.5, 6), (-4, 38, 6.5, 8), (5, 37, 5.5, 6.5), (14, 39, 6, 6), (-11, 54, 8, 6), (1, 53, 7, 6.5), (11, 52, 6, 6))


def _bone(x, y, joint, end, half):
    """How much of a long bone lies at each pixel, 0 to 1: waisted, denser at its rim, rounded at its ends."""
    dx, dy = end[0] - joint[0], end[1] - joint[1]
    long = math.sqrt(dx * dx + dy * dy)
    along = ((x - joint[0]) * dx + (y - joint[1]) * dy) / long
    across = np.abs((x - joint[0]) * dy - (y - joint[1]) * dx) / long
    middle = 2 * np.clip(along / long, 0, 1) - 1
    wide = half * (0.62 + 0.38 * middle * middle)
    curve = 0.5 * half
    beyond = np.maximum(np.maximum(1.2 + curve - along, along - long + 1.2 + curve), 0)  # 1.2 mm are left for the joint
    depth = 1 - np.sqrt((across / wide) ** 2 + (beyond / curve) ** 2)
    return drawing.soft(depth, 0.0, 0.25) * (1 - 0.35 * drawing.soft(depth, 0.3, 0.8))


def _flesh(x, y, points, half):
    """How thick soft parts around a chain of `points` are, as a share of their greatest thickness."""
    thick = np.zeros(x.shape)
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        dx, dy = x1 - x0, y1 - y0
        t = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy), 0, 1)
        off = ((x - x0 - t * dx) ** 2 + (y - y0 - t * dy) ** 2) / (half * half)
        thick = np.maximum(thick, np.sqrt(np.clip(1 - off, 0, 1)))
    return thick


def _hand(seed):
    """What a hand lets through, 0 to 1, of the exposure before: an array of half the plate's rows and columns."""
    x, y = drawing.grid(ROWS // 2, COLUMNS // 2, 2 * SPACING)
    x, y = _side(seed) * (x + 4), y - 34
    flesh, bone = np.zeros(x.shape), np.zeros(x.shape)
    for joints, half in FINGERS:
        flesh = np.maximum(flesh, _flesh(x, y, joints[1:], 1.9 * half))
        for joint, end in zip(joints, joints[1:]):
            bone = np.maximum(bone, _bone(x, y, joint, end, half))
    palm = drawing.ellipse(x, y, 1, 4, 40, 52)
    flesh = np.maximum(flesh, 1.25 * np.sqrt(np.clip(1 - palm * palm, 0, 1)))
    flesh = np.maximum(flesh, 1.1 * _flesh(x, y, ((-1, 40), (-1, 150)), 30))
    thenar = drawing.ellipse(x, y, -27, 22, 19, 30, (0.87, -0.49))
    flesh = np.maximum(flesh, 1.1 * np.sqrt(np.clip(1 - thenar * thenar, 0, 1)))
    for cx, cy, a, b in CARPALS:
        bone = np.maximum(bone, 0.85 * (1 - drawing.soft(drawing.ellipse(x, y, cx, cy, a, b), 0.82, 1.0)))
    for cx, half in ((-10, 12.0), (15, 7.0)):  # radius and ulna, cut off by the plate's edge
        bone = np.maximum(bone, _bone(x, y, (cx, 62), (cx * 0.9, 190), half))
    return drawing.exp(-(0.55 * flesh + 0.75 * bone))


def _side(seed):
    """1 when the thumb is on the left of the plate, else -1."""
    return 1 if seed == 0 else (1, -1)[Draws(seed, "plate_ghost hand").one(0, 1)]


def _left_over(seed):
    return 0.003 if seed == 0 else Draws(seed, "plate_ghost share").one(20, 45) / 10_000


def _plate_ghost(seed):
    x, y = _grid()
    field = _field(x, y)
    fine = np.round(_hand(seed) * 65536).astype(np.int64).repeat(2, axis=0).repeat(2, axis=1)
    ghost = _left_over(seed) * EARLIER * field * drawing.blur(fine, 2, 2) / 65536
    return _object("plate_ghost", _read(Draws(seed, "plate_ghost"), KERMA["plate_ghost"] * field + ghost))


def _ghost_truth(seed):
    return _truth("plate_ghost", ghost=_left_over(seed))


def _ghost_regions(seed):
    side = _side(seed)
    return {"hand": _around(*_pixel(side * 1.0 - 4, 38.0), 60), "beside the hand": _around(*_pixel(side * 72.0 - 4, -60.0), 40)}


# --- blemishes


TURNS = ((1.0, 0.0), (0.8, 0.6), (0.6, 0.8), (0.0, 1.0), (-0.6, 0.8), (-0.8, 0.6))  # directions: of length 1


class _Blemishes:
    """Where the faults of "plate_artefact" are, in pixels."""

    def __init__(self, seed):
        draws = Draws(seed, "plate_artefact faults")
        # row, column, half length and half width in pixels, direction
        self.specks = [(draws.one(60, ROWS - 60), draws.one(60, COLUMNS - 60), draws.one(10, 32) / 10, draws.one(6, 14) / 10,
                        TURNS[draws.one(0, len(TURNS) - 1)]) for _ in range(14)]
        self.scratch = (draws.one(150, 500), draws.one(150, 400), draws.one(220, 330), draws.one(-120, 160), draws.one(-30, 30))
        self.roller = draws.one(120, COLUMNS - 120)
        self.lost = draws.one(150, ROWS - 150)

    def along_scratch(self):
        """Points of the scratch, (row, column): a bent line."""
        top, left, down, aside, bow = self.scratch
        return [(top + down * t / 60, left + aside * t / 60 + bow * 4 * t * (60 - t) / 3600) for t in range(61)]


def _plate_artefact(seed):
    faults, draws = _Blemishes(seed), Draws(seed, "plate_artefact")
    x, y = _grid()
    kerma = KERMA["plate_artefact"] * _field(x, y)
    shade = np.zeros(x.shape)  # how much light is kept back
    row, column = np.arange(ROWS)[:, None], np.arange(COLUMNS)[None, :]
    for at, across, long, wide, turn in faults.specks:
        part = slice(at - 6, at + 7), slice(across - 6, across + 7)
        off = drawing.ellipse(column[:, part[1]], row[part[0]], across, at, long, wide, turn)
        shade[part] = np.maximum(shade[part], 0.8 * (1 - drawing.soft(off, 0.6, 1.3)))
    points = faults.along_scratch()
    for number, ((r0, c0), (r1, c1)) in enumerate(zip(points, points[1:])):
        deep = 0.5 * drawing.soft(min(number, 59 - number), 0, 14)  # it begins and ends lightly
        top, left, right = int(r0) - 2, int(min(c0, c1)) - 3, int(max(c0, c1)) + 4
        part = slice(top, int(r1) + 3), slice(left, right)
        t = np.clip((row[part[0]] - r0) / (r1 - r0), 0, 1)
        away = np.sqrt((row[part[0]] - r0 - t * (r1 - r0)) ** 2 + (column[:, part[1]] - c0 - t * (c1 - c0)) ** 2)
        shade[part] = np.maximum(shade[part], deep * np.clip(1.4 - away, 0, 1))
    shade = np.maximum(shade, 0.05 * np.clip(1.5 - np.abs(column - faults.roller), 0, 1))
    values = _read(draws, kerma * (1 - shade))
    # The laser missed a line: nothing but electronics.
    values[faults.lost] = ELECTRONICS * drawing.normal(draws, (COLUMNS,)) + 4
    return _object("plate_artefact", values)


def _faults(seed):
    faults = _Blemishes(seed)
    points = faults.along_scratch()
    rows, columns = [row for row, _ in points], [column for _, column in points]
    return {
        "specks": [_around(row, column, 6) for row, column, *_ in faults.specks],
        "scratch": [(int(min(rows)) - 3, int(max(rows)) + 4, int(min(columns)) - 3, int(max(columns)) + 4)],
        "roller line": [(0, ROWS, faults.roller - 1, faults.roller + 2)],
        "lost line": [(faults.lost, faults.lost + 1, 0, COLUMNS)],
    }


def _artefact_truth(seed):
    return _truth("plate_artefact", faults=_faults(seed))


IMAGES = {"plate_uniform": _flat("plate_uniform"), "plate_uniform_low": _flat("plate_uniform_low"), "plate_lines": _plate_lines,
          "plate_mesh": _plate_mesh, "plate_ghost": _plate_ghost, "plate_artefact": _plate_artefact}
REGIONS = {"plate_uniform": _flat_regions, "plate_uniform_low": _flat_regions, "plate_lines": _lines_regions,
           "plate_mesh": _mesh_regions, "plate_ghost": _ghost_regions}
TRUTH = {"plate_uniform": lambda seed: _truth("plate_uniform"), "plate_uniform_low": lambda seed: _truth("plate_uniform_low"),
         "plate_lines": _lines_truth, "plate_mesh": _mesh_truth, "plate_ghost": _ghost_truth, "plate_artefact": _artefact_truth}
