"""Angiography: a run of the left coronary artery, and a run of the arteries at the knee for subtraction.

X rays are attenuated as exp(-(sum of mu · thickness)); the detector counts quanta, with noise of the square root of
their number. What is stored follows from the counts, in the relation that Pixel Intensity Relationship (0028,1040)
names (PS3.3 C.8.7.1): LOG in "xa_coronary", whose Modality LUT leads back to intensity and is not for display; LIN in
"xa_dsa", where only the difference of logarithms removes the bone.

`truth` of "xa_coronary" gives
    MLD, MLA, reference, reference_area, diameter_stenosis, area_stenosis, lesion
               of the narrowing, as in ``coronary.Artery.told``: mm, mm², per cent, mm from the artery's origin
    stenosis   (row, column) of it in the first frame
    axis       (down, right) direction of the artery there, of length 1
    spacing    mm of a pixel at the isocentre; detector: mm of a pixel at the detector; magnification: their ratio
    angles     primary and secondary angle of the positioner, degrees
    frame_time ms
    peak       number, from 1, of the frame with most contrast in the narrowing
    contrast   of each frame, how full of contrast the narrowing is, 0 to 1
    moves      of each frame, (down, right) move of the narrowing by the heart, pixels
    log        stored units per unit of ln(intensity); mu: attenuation of the contrast medium, 1/mm
    catheter   outer diameter of the catheter, mm
    story      (role, procedure) of the story's people
`truth` of "xa_dsa" gives
    masks      numbers of the frames before the bolus
    contrast   of each frame, how full of contrast the popliteal artery is
    peak       number of its fullest frame
    shifts     of each frame, (down, right) move of the leg, pixels
    mu, spacing, detector, magnification as above
    vessel     {name: (row, column, diameter in mm)} of places in the artery: over bone and beside it
    times      of each frame, ms from the first
    open       counts of the detector without a patient
"""

import numpy as np

from coursekit.hospital.draws import Draws
from coursekit.hospital.images import common, coronary, drawing

XA_STORAGE = "1.2.840.10008.5.1.4.1.1.12.1"
FRAME_TIME, FRAME_TIME_VECTOR = 0x00181063, 0x00181065


# --- beams and tubes, also for fluoroscopy

STEPS = 4096  # of the table of exponentials, per unit


def transmitted(attenuation):
    """exp(-attenuation) of an array with values from 0 to 12, from a table."""
    table = drawing.exp(np.arange(12 * STEPS + 1) / -float(STEPS))
    return table[np.clip(np.round(attenuation * STEPS), 0, 12 * STEPS).astype(np.int64)]


def counted(draws, mean, grain=1):
    """Quanta that a detector counts where `mean` are expected (an array, each above 20): whole numbers.

    The light of the scintillator spreads to neighbours, which smooths the noise over `grain` pixels.
    """
    noise = drawing.normal(draws, mean.shape)
    if grain:
        noise = (noise + 0.55 * (np.roll(noise, 1, axis=0) + np.roll(noise, 1, axis=1)) + 0.3 * np.roll(noise, (1, 1), (0, 1))) / 1.302
    return np.maximum(np.round(mean + np.sqrt(mean) * noise), 1).astype(np.int64)


def smooth(picture, radius=1, times=1):
    """A float picture averaged over squares of side 2 · radius + 1."""
    return drawing.blur(np.round(picture * 65536).astype(np.int64), radius, times) / 65536.0


def curve(points, steps=9):
    """A smooth curve through `points` ((x, y), ...), as an array of points: Catmull and Rom's cubic."""
    given = np.asarray(points, dtype=float)
    ends = np.concatenate(([2 * given[0] - given[1]], given, [2 * given[-1] - given[-2]]))
    pieces = []
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        for step in range(steps):
            t = step / steps
            pieces.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - 3 * c + d - a) * t * t * t))
    return np.array([*pieces, given[-1]])


def lengths(points):
    """How far along a curve each of its points lies."""
    steps = np.diff(points, axis=0)
    return np.concatenate(([0.0], np.cumsum(np.sqrt((steps * steps).sum(axis=1)))))


def between(places, away, points):
    """Points of a curve at `places`, by linear interpolation among `points` that lie at `away`."""
    n = np.clip(np.searchsorted(away, places, side="right") - 1, 0, len(away) - 2)
    part = ((places - away[n]) / (away[n + 1] - away[n]))[:, None]
    return points[n] * (1 - part) + points[n + 1] * part


class Tube:
    """A tapering tube in the picture: how thick it is at each pixel, seen from the side, and how far along its length.

    x, y   : of each pixel, mm, from ``drawing.grid``
    points : of its middle line, mm
    radii  : at each point, mm
    start  : distance along the flow at the first point, mm
    """

    def __init__(self, x, y, points, radii, start=0.0):
        spacing = x[0, 1] - x[0, 0]
        reach = float(np.max(radii)) + 2 * spacing
        left, top = x[0, 0], y[0, 0]

        def span(low, high, edge, count):
            return max(int((low - reach - edge) / spacing), 0), min(max(int((high + reach - edge) / spacing) + 2, 0), count)

        a, b = span(points[:, 0].min(), points[:, 0].max(), left, x.shape[1])
        c, d = span(points[:, 1].min(), points[:, 1].max(), top, x.shape[0])
        self.box = (slice(c, d), slice(a, b))
        square = np.full((d - c, b - a), -1.0)
        self.along = np.zeros(square.shape)
        away = start + lengths(points)
        for n in range(len(points) - 1):
            (x0, y0), (x1, y1) = points[n], points[n + 1]
            e, f = span(min(x0, x1), max(x0, x1), left, x.shape[1])
            g, h = span(min(y0, y1), max(y0, y1), top, x.shape[0])
            if e >= f or g >= h:
                continue
            px, py = x[g:h, e:f] - x0, y[g:h, e:f] - y0
            dx, dy = x1 - x0, y1 - y0
            t = np.clip((px * dx + py * dy) / (dx * dx + dy * dy + 1e-12), 0, 1)
            radius = radii[n] + (radii[n + 1] - radii[n]) * t
            inside = radius * radius - (px - t * dx) ** 2 - (py - t * dy) ** 2
            here = (slice(g - c, h - c), slice(e - a, f - a))
            better = inside > square[here]
            square[here] = np.where(better, inside, square[here])
            self.along[here] = np.where(better, away[n] + (away[n + 1] - away[n]) * t, self.along[here])
        self.chord = 2.0 * np.sqrt(np.maximum(square, 0.0))


def xray(ds, shape, rest):
    """What angiograms and fluoroscopies share (PS3.3 C.8.7.1, C.8.7.2, C.7.6.5): pulses, grid, field, frames.

    shape : frames, rows, columns
    rest  : dict of further attributes by keyword
    """
    ds.ImageType = ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
    ds.NumberOfFrames = shape[0]
    ds.RadiationSetting, ds.RadiationMode = "GR", "PULSED"
    ds.Grid = "IN"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.LossyImageCompression, ds.BurnedInAnnotation = "00", "NO"
    for keyword, value in rest.items():
        setattr(ds, keyword, value)


def geometry(ds, pixel, source_detector, source_patient, shape):
    """Spacing at the detector, distances and magnification (PS3.3 C.8.7.2, C.8.7.5); mm. Pixel Spacing is left to who calibrates."""
    ds.ImagerPixelSpacing = [common.number(pixel)] * 2
    ds.DistanceSourceToDetector, ds.DistanceSourceToPatient = common.number(source_detector), common.number(source_patient)
    ds.EstimatedRadiographicMagnificationFactor = common.number(source_detector / source_patient)
    ds.FieldOfViewShape = "RECTANGLE"
    ds.FieldOfViewDimensions = [str(round(shape[2] * pixel)), str(round(shape[1] * pixel))]


# --- the left coronary artery


class _Coronary:
    ROWS = COLUMNS = 512
    FRAMES, TIME = 14, 133.333  # ms
    LOG, DARKEST = 70.0, 60  # stored = LOG · ln(counts / DARKEST)
    MU = 0.26  # contrast medium, 1/mm
    CATHETER = 2.0  # mm: 6 French
    DETECTOR, SPEED = 0.28, 165.0  # mm, mm/s

    def __init__(self, seed):
        draws = Draws(seed, "xa_coronary")
        self.source_patient = 750 if seed == 0 else draws.one(720, 770)
        self.source_detector = 1050 if seed == 0 else draws.one(1020, 1080)
        self.angles = (-30.2, 20.4) if seed == 0 else (draws.one(-345, -262) / 10, draws.one(160, 260) / 10)
        self.start = 190 if seed == 0 else draws.one(150, 260)  # ms, of the injection
        self.phase = draws.one(0, 5) / 6
        self.jitter = draws.between(-10, 10, 400) / 10
        self.draws, self.artery = draws, coronary.Artery(seed)
        self.magnification = self.source_detector / self.source_patient
        self.spacing = self.DETECTOR / self.magnification
        self.x, self.y = drawing.grid(self.ROWS, self.COLUMNS, self.spacing)

    def full(self, away, frame):
        """How full of contrast the tree is `away` mm from the catheter's tip (an array), in a frame counted from 0: 0 to 1."""
        late = frame * self.TIME - self.start - 1000.0 * away / self.SPEED
        arrive = drawing.soft(late, 0.0, 150.0)
        leave = drawing.soft(late, 620.0, 1150.0)
        return arrive * (1.0 - leave)

    def beat(self, frame):
        """How contracted the heart is in a frame counted from 0: 0 to 1. 75 beats a minute, and 6 frames a beat."""
        phase = frame / 6 + self.phase
        phase = phase - np.floor(phase)
        return float(drawing.soft(phase, 0.05, 0.35) * (1 - drawing.soft(phase, 0.40, 0.75)))

    def moved(self, x, y, frame, back=False):
        """Where the point (x, y) of the resting heart is in a frame, or where what is there comes from: (x, y) in mm."""
        beat = self.beat(frame)
        shrink, right, down = 1 - 0.040 * beat, 0.6 * beat, -0.8 * beat
        if back:
            return (x - TIP[0] - right) / shrink + TIP[0], (y - TIP[1] - down) / shrink + TIP[1]
        return (x - TIP[0]) * shrink + TIP[0] + right, (y - TIP[1]) * shrink + TIP[1] + down

    def pixel(self, x, y):
        """Row and column of a point."""
        return y / self.spacing + (self.ROWS - 1) / 2, x / self.spacing + (self.COLUMNS - 1) / 2


TIP = (-19.5, -26.5)  # of the catheter, in the mouth of the left main stem, mm from the picture's middle
STEM = 10.0  # mm, length of the left main stem
# Middle lines seen from right anterior oblique, with a cranial tilt; mm at the isocentre.
LEFT_MAIN = ((-19.5, -26.5), (-15.0, -26.8), (-10.0, -25.5))
DESCENDING = ((-10.0, -25.5), (-2.5, -28.6), (6.5, -28.3), (15.0, -24.0), (22.0, -16.5), (27.5, -7.0), (31.0, 3.5), (32.5, 14.0),
              (31.5, 24.0), (28.0, 33.0), (23.0, 39.0))
CIRCUMFLEX = ((-10.0, -25.5), (-9.6, -18.5), (-10.4, -10.5), (-8.6, -1.5), (-4.4, 6.5), (0.6, 13.0), (3.4, 20.5))
# name: (parent, how far along it, mm; its middle line relative to there; diameter at its start and end)
BRANCHES = (
    ("D", 13.0, ((0, 0), (5.0, -5.0), (14.0, -8.2), (23.5, -7.0), (31.5, -1.5), (37.0, 7.0)), 2.0, 0.7),
    ("D", 41.0, ((0, 0), (5.2, 1.0), (9.5, 6.0), (12.2, 14.0), (13.0, 23.0)), 1.6, 0.6),
    ("D", 60.0, ((0, 0), (4.0, 4.5), (6.0, 11.0), (6.3, 18.0)), 1.1, 0.45),
    ("D", 15.0, ((0, 0), (1.2, 6.0), (4.0, 13.0), (7.0, 19.5)), 1.15, 0.4),
    ("D", 33.0, ((0, 0), (-1.0, 6.0), (0.6, 12.5), (3.0, 19.0)), 0.95, 0.35),
    ("D", 47.0, ((0, 0), (-3.0, 4.5), (-4.2, 10.0), (-3.6, 15.5)), 0.8, 0.35),
    ("D", 70.0, ((0, 0), (-4.5, 3.0), (-7.5, 7.2)), 0.7, 0.3),
    ("C", 14.0, ((0, 0), (5.5, 3.6), (11.0, 9.5), (15.6, 17.5), (18.2, 27.0)), 1.9, 0.6),
    ("C", 27.0, ((0, 0), (3.2, 6.6), (5.2, 15.0), (5.6, 24.0), (4.2, 31.0)), 1.6, 0.5),
    ("C", 6.0, ((0, 0), (-5.0, 3.4), (-8.4, 10.4), (-12.8, 17.0), (-14.2, 25.0)), 1.0, 0.4),
    ("C", 33.0, ((0, 0), (-4.0, 5.0), (-6.2, 12.0), (-6.0, 19.0)), 1.0, 0.4),
)


def _wander(points, jitter, amount):
    """Middle points of a branch moved a little, the more the farther out."""
    moved = [points[0]]
    for n, (px, py) in enumerate(points[1:], 1):
        far = min(n / 3, 1.0)
        moved.append((px + amount * far * jitter[2 * n], py + amount * far * jitter[2 * n + 1]))
    return moved


def _tree(scene):
    """The arteries: a list of (Tube, (x, y, width) of where it leaves its parent)."""
    x, y, artery = scene.x, scene.y, scene.artery
    stem = curve(LEFT_MAIN)
    tubes = [(Tube(x, y, stem, np.full(len(stem), 2.05), 0.0), None)]
    lines = {}
    for name, points in (("D", DESCENDING), ("C", CIRCUMFLEX)):
        line = curve(points)
        away = lengths(line)
        if name == "D":
            # Points half a millimetre apart, so that the narrowing has its shape.
            fine = np.arange(0.0, away[-1], 0.5)
            line = between(fine, away, line)
            away = lengths(line)
            radii = artery.lumen(fine) / 2 * (1 - 0.25 * drawing.soft(fine, 55, 96)) * (1 - 0.35 * drawing.soft(fine, 76, 100))
        else:
            radii = 1.45 - 0.85 * away / away[-1]
        lines[name] = (line, away, radii)
        tubes.append((Tube(x, y, line, radii, STEM), (*line[0], 4.5)))
    for number, (parent, at, points, wide, narrow) in enumerate(BRANCHES):
        line, away, radii = lines[parent]
        n = int(np.searchsorted(away, at))
        rooted = [(line[n][0] + px, line[n][1] + py) for px, py in _wander(points, scene.jitter[20 * number :], 0.9)]
        branch = curve(rooted)
        part = lengths(branch)
        size = (wide + (narrow - wide) * part / part[-1]) / 2
        tubes.append((Tube(x, y, branch, size, STEM + at), (*line[n], 2.2 * radii[n])))
        # Each gives off a twig half way.
        if wide > 0.9:
            m = len(branch) // 2 + int(scene.jitter[20 * number + 15])
            turn = 1 if scene.jitter[20 * number + 16] > 0 else -1
            ahead = branch[m + 2] - branch[m]
            ahead = ahead / np.sqrt((ahead * ahead).sum())
            aside = np.array([-ahead[1], ahead[0]]) * turn
            reach = 7.0 + 2.5 * abs(scene.jitter[20 * number + 17])
            twig = curve([branch[m], branch[m] + reach * (0.32 * ahead + 0.20 * aside),
                          branch[m] + reach * (0.72 * ahead + 0.42 * aside), branch[m] + reach * (1.15 * ahead + 0.50 * aside)])
            along = lengths(twig)
            tubes.append((Tube(x, y, twig, 0.68 * size[m] * (1 - 0.6 * along / along[-1]), STEM + at + part[m]),
                          (*branch[m], 2.2 * size[m])))
    return tubes


def _filled(scene, tubes, frame):
    """Millimetres of pure contrast medium in each pixel, the heart at rest."""
    total = np.zeros(scene.x.shape)
    for tube, root in tubes:
        amount = tube.chord * scene.full(tube.along, frame)
        part = total[tube.box]
        added = part + amount
        if root:
            # Where a branch leaves its parent the two are one volume: do not count it twice.
            near = (scene.x[tube.box] - root[0]) ** 2 + (scene.y[tube.box] - root[1]) ** 2
            joined = np.maximum(part, amount)
            added = joined + (added - joined) * drawing.soft(near, root[2] ** 2, 3.2 * root[2] ** 2)
        total[tube.box] = added
    return total


def _resampled(picture, rows, columns):
    """A picture at fractional rows and columns, by linear interpolation; its rim is repeated outwards."""
    rows, columns = np.clip(rows, 0, picture.shape[0] - 1.001), np.clip(columns, 0, picture.shape[1] - 1.001)
    r, c = rows.astype(np.int64), columns.astype(np.int64)
    v, u = rows - r, columns - c
    flat, at, wide = picture.ravel(), r * picture.shape[1] + c, picture.shape[1]
    upper = flat[at] * (1 - u) + flat[at + 1] * u
    lower = flat[at + wide] * (1 - u) + flat[at + wide + 1] * u
    return upper * (1 - v) + lower * v


def _lowered(picture, by):
    """A picture moved down by `by` pixels, 0 or more and less than 8; its upper rim is repeated."""
    whole, part, rows = int(by), by - int(by), picture.shape[0]
    tall = np.concatenate([picture[:1]] * 8 + [picture])
    return tall[8 - whole : 8 - whole + rows] * (1 - part) + tall[7 - whole : 7 - whole + rows] * part


def _chest(scene):
    """What the beam meets without contrast: attenuation, unitless."""
    x, y = scene.x, scene.y
    clouds = drawing.clouds(scene.draws, x.shape, 26) - 0.5
    fine = drawing.clouds(scene.draws, x.shape, 5) - 0.5
    flesh = 0.62 + 0.10 * clouds + 0.0022 * (y + 10)
    heart = drawing.ellipse(x, y, 2, 8, 44, 44, (0.80, 0.60))
    dome = drawing.ellipse(x, y, -2, 82, 86, 46)
    below = drawing.soft(1.03 - dome, 0, 0.035)
    flesh += 0.55 * np.sqrt(np.clip(1.12 - heart * heart, 0, 1.0)) * drawing.soft(1.1 - heart, 0, 0.16) * (1 - below)
    lung = drawing.soft(heart, 1.0, 1.14) * (1 - below)
    flesh += lung * (0.11 * fine - 0.05)
    # The diaphragm, with the liver and the stomach below it.
    flesh += below * (1.02 - 0.30 * drawing.soft(x, 0, 55))
    # The spine lies on the left in a right anterior oblique view.
    across = (x + 45.0 - 0.0014 * y * y) / 16.5
    level = (y + 6.0 + 0.16 * (x + 45.0)) / 26.0
    level = level - np.floor(level)
    edge = np.abs(2 * level - 1.0)
    waist = 0.92 + 0.12 * edge * edge  # bodies are wider at their plates
    column = 1 - drawing.soft(np.abs(across) / waist, 0.88, 1.10)
    body = 1 - drawing.soft(edge, 0.78, 0.90)
    flesh += column * (0.24 + 0.12 * body + 0.10 * np.clip(1 - np.abs(edge - 0.76) / 0.09, 0, 1) + 0.10 * fine * body)
    flesh += 0.06 * body * np.clip(1 - np.abs(np.abs(across) / waist - 0.93) / 0.07, 0, 1)
    for side in (-0.48, 0.36):
        pedicle = ((across - side) / 0.19) ** 2 + ((level - 0.34) / 0.15) ** 2
        flesh += 0.12 * (1 - drawing.soft(pedicle, 0.5, 1.3)) + 0.07 * np.clip(1 - np.abs(pedicle - 0.95) / 0.45, 0, 1)
    spine = ((across + 0.10) / 0.10) ** 2 + ((level - 0.62) / 0.24) ** 2
    flesh += 0.13 * (1 - drawing.soft(spine, 0.4, 1.3))
    # Ribs: those behind slope down outwards, those in front, fainter, up.
    for n in range(5):
        for slope, curl, top, weight, half in ((0.30, -0.0030, -58 + 26 * n, 0.085, 4.6), (-0.50, 0.0040, -24 + 28 * n, 0.05, 5.6)):
            middle = top + slope * (x + 30) + curl * (x + 30) ** 2
            off = np.abs(y - middle) / half
            flesh += weight * ((1 - drawing.soft(off, 0.7, 1.1)) * 0.7 + 0.5 * np.clip(1 - np.abs(off - 0.85) / 0.2, 0, 1))
    return smooth(flesh, 2, 2) + 0.02 * fine


def _guide(scene):
    """The catheter: attenuation of its wall, and its inner width in mm for contrast."""
    line = curve(((-41.0, -56.0), (-41.6, -48.0), (-39.5, -39.0), (-34.0, -31.5), (-27.0, -27.6), TIP))
    outer, inner = scene.CATHETER / 2, 0.9
    shell = Tube(scene.x, scene.y, line, np.full(len(line), outer))
    hollow = Tube(scene.x, scene.y, line, np.full(len(line), inner))
    wall, lumen = np.zeros(scene.x.shape), np.zeros(scene.x.shape)
    lumen[hollow.box] = hollow.chord
    wall[shell.box] = shell.chord
    return 0.34 * (wall - lumen) + 0.03 * wall, lumen


def _xa_coronary(seed):
    scene = _Coronary(seed)
    tubes, still = _tree(scene), _chest(scene)
    wall, lumen = _guide(scene)
    beside = drawing.soft(scene.x, -28, -20)
    mouth = drawing.ellipse(scene.x, scene.y, TIP[0] - 1.5, TIP[1] - 2.0, 8.0, 6.0)
    levels = np.searchsorted(_log_steps(scene), np.arange(8192), side="right")
    run = np.zeros((scene.FRAMES, scene.ROWS, scene.COLUMNS), np.uint8)
    for frame in range(scene.FRAMES):
        x, y = scene.moved(scene.x, scene.y, frame, back=True)
        medium = _resampled(_filled(scene, tubes, frame), *scene.pixel(x, y))
        injected = float(scene.full(np.array(0.0), frame))
        medium = medium + lumen * injected
        medium = medium + 1.1 * injected * np.clip(1 - mouth, 0, 1) * (frame % 3 + 2) / 4  # what flows back into the aorta
        blush = smooth(medium, 12, 2) * (0.10 if frame > 5 else 0.03)  # in the finest vessels
        chest = still + (_lowered(still, 2.2 * scene.beat(frame)) - still) * beside  # the spine stays where it is
        counts = counted(scene.draws, 3300.0 * transmitted(smooth(chest + wall + scene.MU * (medium + blush))))
        run[frame] = levels[np.clip(counts, 0, 8191)]

    ds = common.dataset(XA_STORAGE, coronary.study(81), "XA_CATH1")
    coronary.identify(ds, seed, 81, "091420", "XA CORONARY ANGIOGRAM", "Left coronary artery")
    ds.Modality = "XA"
    ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions = "Cardine Imaging", "Arcus 15", "4.2"
    xray(ds, run.shape, {
        "KVP": "74", "XRayTubeCurrent": "640", "ExposureTime": "98", "Exposure": "63", "AveragePulseWidth": "7",
        "FrameIncrementPointer": FRAME_TIME, "FrameTime": common.number(scene.TIME, 3), "FocalSpots": "0.6",
        "RecommendedDisplayFrameRate": "8", "PixelIntensityRelationship": "LOG", "PositionerMotion": "STATIC",
        "ContrastBolusAgent": "Iohexol 350 mg I/ml", "ContrastBolusVolume": "7", "ContrastFlowRate": "4",
    })
    geometry(ds, scene.DETECTOR, scene.source_detector, scene.source_patient, run.shape)
    ds.PositionerPrimaryAngle, ds.PositionerSecondaryAngle = (common.number(angle, 1) for angle in scene.angles)
    ds.TableMotion = "STATIC"
    ds.ModalityLUTSequence = [_to_intensity(scene)]
    common.window(ds, 158, 190)
    common.encoding(ds, run, 8)
    return ds


def _log_steps(scene):
    """Counts from which on each stored value 1 to 255 is reached."""
    return scene.DARKEST * drawing.exp((np.arange(1, 256) - 0.5) / scene.LOG)


def _to_intensity(scene):
    """The Modality LUT of a LOG image: intensity of each stored value, the brightest 65535 (PS3.3 C.11.1)."""
    item = common.item(LUTDescriptor=[256, 0, 16], ModalityLUTType="US", LUTExplanation="To X-ray beam intensity, not for display")
    item["LUTDescriptor"].VR = "US"
    values = np.round(65535.0 * drawing.exp((np.arange(256) - 255) / scene.LOG)).astype("<u2")
    item.LUTData = values.tobytes()
    item["LUTData"].VR = "OW"
    return item


def _xa_coronary_truth(seed):
    scene = _Coronary(seed)
    line = curve(DESCENDING)
    at = scene.artery.middle
    place, ahead = between(np.array([at, at + 0.5]), lengths(line), line).tolist()
    length = ((ahead[0] - place[0]) ** 2 + (ahead[1] - place[1]) ** 2) ** 0.5
    full = [float(scene.full(np.array(STEM + at), frame)) for frame in range(scene.FRAMES)]
    row, column = scene.pixel(*scene.moved(*place, 0))
    moves = []
    for frame in range(scene.FRAMES):
        there = scene.pixel(*scene.moved(*place, frame))
        moves.append((round(there[0] - row, 2), round(there[1] - column, 2)))
    return {
        **scene.artery.told(), "stenosis": (round(row, 1), round(column, 1)),
        "axis": ((ahead[1] - place[1]) / length, (ahead[0] - place[0]) / length),
        "spacing": round(scene.spacing, 5), "detector": scene.DETECTOR, "magnification": round(scene.magnification, 4),
        "angles": scene.angles, "frame_time": scene.TIME, "peak": full.index(max(full)) + 1,
        "contrast": [round(value, 3) for value in full], "moves": moves, "log": scene.LOG, "mu": scene.MU,
        "catheter": scene.CATHETER, "story": ("P3", "XACOR"),
    }


# --- the arteries at the knee, for subtraction


class _Knee:
    ROWS = COLUMNS = 384
    FRAMES, MASKS, MOVED = 10, (1, 2), 7  # MOVED: number of the first frame after the patient moved
    DETECTOR, MU = 0.6, 0.15  # mm; 1/mm, of the diluted contrast medium
    OPEN = 9000  # counts without a patient: beyond what the detector can tell
    DATE = "20250402"

    def __init__(self, seed):
        draws = Draws(seed, "xa_dsa")
        self.source_patient, self.source_detector = (800, 1100) if seed == 0 else (draws.one(770, 830), draws.one(1050, 1150))
        self.move = (0.75, -1.5) if seed == 0 else (draws.one(-6, 6) / 4, (-1, 1)[draws.one(0, 1)] * draws.one(4, 8) / 4)
        self.narrow = 0.45 if seed == 0 else draws.one(35, 60) / 100  # of the popliteal artery's diameter
        steps = [0] + [500] * 6 + [1000] * 3
        self.times = [sum(steps[: n + 1]) for n in range(self.FRAMES)]
        self.steps = steps
        self.arrival = 620 if seed == 0 else draws.one(560, 720)
        self.jitter = draws.between(-10, 10, 200) / 10
        self.draws = draws
        self.magnification = self.source_detector / self.source_patient
        self.spacing = self.DETECTOR / self.magnification
        self.x, self.y = drawing.grid(self.ROWS, self.COLUMNS, self.spacing)

    def full(self, away, frame):
        """How full of contrast the arteries are `away` mm below the top, in a frame counted from 0: 0 to 1."""
        late = self.times[frame] - self.arrival - 1000.0 * away / 110.0
        return drawing.soft(late, 0.0, 700.0) * (1 - drawing.soft(late, 1700.0, 4300.0))

    def shift(self, frame):
        return self.move if frame + 1 >= self.MOVED else (0.0, 0.0)


# Middle lines and diameters of the arteries of a right knee, seen from the front: its outer side is on the left. mm.
TRUNK = ((24.0, -88.0), (18.5, -66.0), (9.5, -42.0), (2.5, -17.0), (1.8, 6.0), (0.6, 26.0), (-2.0, 44.0))
LOWER = (
    # starts at; middle line; diameter at its start and end
    ((-2.0, 38.0), ((0, 0), (-6.5, 5.0), (-13.0, 13.0), (-16.0, 27.0), (-17.5, 50.0)), 3.3, 2.6),  # anterior tibial
    ((-2.0, 44.0), ((0, 0), (-1.2, 9.0), (1.5, 24.0), (6.5, 44.0)), 3.5, 2.6),  # posterior tibial
    ((-2.6, 54.0), ((0, 0), (-4.5, 8.0), (-7.5, 20.0), (-8.5, 34.0)), 2.8, 2.1),  # peroneal
    ((6.6, -34.0), ((0, 0), (9.0, -1.0), (20.0, 4.0), (27.0, 14.0), (29.0, 24.0)), 1.5, 0.6),  # medial superior genicular
    ((5.6, -30.0), ((0, 0), (-10.0, -3.5), (-20.0, 1.0), (-28.0, 9.0), (-31.0, 20.0)), 1.5, 0.6),  # lateral superior genicular
    ((1.6, 8.0), ((0, 0), (9.0, 5.0), (19.0, 8.0), (26.0, 4.5), (30.0, -3.0)), 1.3, 0.5),  # medial inferior genicular
    ((1.7, 5.0), ((0, 0), (-10.0, 4.0), (-19.0, 3.0), (-27.0, -3.0)), 1.3, 0.5),  # lateral inferior genicular
    ((14.0, -54.0), ((0, 0), (8.0, 12.0), (14.0, 30.0), (16.0, 48.0)), 1.6, 0.6),  # descending genicular
    ((2.2, 0.0), ((0, 0), (6.0, 14.0), (11.0, 34.0), (13.0, 52.0)), 1.7, 0.8),  # to the calf
    ((1.2, 2.0), ((0, 0), (-6.0, 14.0), (-9.0, 32.0), (-14.0, 48.0)), 1.6, 0.7),
)


def _leg(scene):
    """Attenuation of the leg without contrast: soft tissue, and bone as shells around spongy bone."""
    x, y = scene.x, scene.y
    coarse, fine = drawing.clouds(scene.draws, x.shape, 16) - 0.5, drawing.clouds(scene.draws, x.shape, 2) - 0.5
    mid = drawing.clouds(scene.draws, x.shape, 5) - 0.5
    wide = 56.0 - 3.0 * drawing.soft(np.abs(y - 4), 0, 30) + 7.0 * drawing.soft(-y, 20, 90) + 2.0 * drawing.soft(y, 20, 80)
    shape = np.clip(1 - ((x - 1.0) / wide) ** 2, 0, 1)
    flesh = 0.0205 * 2 * wide * np.sqrt(shape) * 0.96 + 0.10 * coarse * drawing.soft(shape, 0.0, 0.3)
    bone = np.zeros(x.shape)

    def shaft(profile, first, last):
        """A long bone between two heights; each row of the profile: height, middle, half width, thickness of its shell."""
        across = [between(y[:, 0], line[:, 0], line)[:, 1:] for line in (
            curve([(row[0], row[n]) for row in profile]) for n in (1, 2, 3))]
        off = np.abs(x - across[0])
        outer, inner = across[1], across[1] - across[2]
        whole = 2 * np.sqrt(np.clip(outer * outer - off * off, 0, None))
        hollow = 2 * np.sqrt(np.clip(inner * inner - off * off, 0, None))
        made = whole - hollow * (0.80 - 0.05 * mid - 0.05 * fine)
        bone[:] = np.maximum(bone, made * drawing.soft(y, first - 3, first + 3) * (1 - drawing.soft(y, last - 3, last + 3)))

    def block(cx, cy, a, b, thick, rim, tilt=(1.0, 0.0)):
        e = drawing.ellipse(x, y, cx, cy, a, b, tilt)
        inside = thick * np.sqrt(np.clip(1 - e * e, 0, 1)) * (0.8 + 0.10 * mid + 0.16 * fine)
        inside = inside + rim * np.clip(1 - np.abs(e - 0.965) / 0.05, 0, 1)
        bone[:] = np.maximum(bone, np.where(e < 1.02, inside, 0))

    shaft(((-110, -6.5, 15, 5.5), (-85, -6, 15, 5.5), (-60, -5, 16.5, 4.5), (-42, -3, 24, 2.4), (-28, -1.5, 31.5, 1.4), (-10, 0, 37, 1.0)),
          -130, -14)  # femur
    shaft(((2, 0, 38, 1.4), (14, 0, 37.5, 1.4), (25, 0, 32, 1.8), (38, 1, 23.5, 3.2), (56, 1.5, 16, 5.0), (110, 2.5, 13.5, 5.5)),
          12, 130)  # tibia
    shaft(((20, -30, 7, 1.2), (38, -29.5, 6.5, 1.6), (52, -29, 5.2, 2.2), (110, -26, 5.5, 2.4)), 28, 130)  # fibula
    block(-19.5, -11.0, 19.0, 17.5, 26.0, 4.0, (0.98, 0.20))  # condyles
    block(18.5, -11.0, 19.5, 18.0, 26.0, 4.0, (0.98, -0.20))
    block(-19.5, 12.5, 18.5, 5.0, 18.0, 5.0)  # plateaus
    block(19.5, 12.5, 18.5, 5.0, 18.0, 5.0)
    for side in (-1, 1):  # the hump between them
        block(side * 5.0, 10.5, 3.6, 4.6, 9.0, 3.0)
    block(-30.0, 28.0, 7.5, 8.0, 11.0, 2.5)  # head of the fibula
    patella = drawing.ellipse(x, y, 0.5, -26.0, 20.5, 22.0)
    bone += 9.0 * np.sqrt(np.clip(1 - patella * patella, 0, 1)) + 1.5 * np.clip(1 - np.abs(patella - 0.95) / 0.06, 0, 1)
    return smooth(flesh + 0.032 * bone, 1, 1)


def _arteries(scene):
    """The Tubes of the knee's arteries."""
    x, y = scene.x, scene.y
    line = curve(TRUNK)
    away = lengths(line)
    fine = np.arange(0.0, away[-1], 1.0)
    line = between(fine, away, line)
    narrowed = 1 - (1 - scene.narrow) * (1 - drawing.soft(np.abs(fine - 96.0), 1.0, 9.0))
    radii = (3.0 - 0.007 * fine) * narrowed
    tubes = [Tube(x, y, line, radii, 0.0)]
    for number, (start, points, wide, narrow) in enumerate(LOWER):
        moved = _wander([(start[0] + px, start[1] + py) for px, py in points], scene.jitter[10 * number :], 0.8)
        branch = curve(moved)
        part = lengths(branch)
        tubes.append(Tube(x, y, branch, (wide + (narrow - wide) * part / part[-1]) / 2, start[1] + 88.0))
    return tubes


def _xa_dsa(seed):
    scene = _Knee(seed)
    leg, tubes = _leg(scene), _arteries(scene)
    rows, columns = np.arange(scene.ROWS)[:, None] + 0.0 * scene.x, np.arange(scene.COLUMNS)[None, :] + 0.0 * scene.x
    run = np.zeros((scene.FRAMES, scene.ROWS, scene.COLUMNS), np.uint16)
    for frame in range(scene.FRAMES):
        medium = np.zeros(scene.x.shape)
        for tube in tubes:
            medium[tube.box] = np.maximum(medium[tube.box], tube.chord * scene.full(tube.along, frame))
        down, right = scene.shift(frame)
        attenuation = leg + scene.MU * smooth(medium)
        if down or right:
            attenuation = _resampled(attenuation, rows - down, columns - right)
        run[frame] = np.minimum(counted(scene.draws, scene.OPEN * transmitted(attenuation)), 4095)

    study, accession = common.ordered(scene.DATE, 84)
    ds = common.dataset(XA_STORAGE, (study, f"{study}.1", f"{study}.1.1"), "XA_CATH1")
    common.person(Draws(seed, "xa_dsa person"), ds, "M")
    ds.IssuerOfPatientID = "HVGH"
    ds.AccessionNumber, ds.StudyID = accession, "40284"
    common.when(ds, scene.DATE, "133510", "134022", "134022")
    ds.Modality = "XA"
    ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions = "Cardine Imaging", "Arcus 15", "4.2"
    ds.StudyDescription, ds.SeriesDescription = "XA LEG ARTERIES", "Right knee, run-off"
    ds.BodyPartExamined, ds.Laterality, ds.PatientOrientation = "KNEE", "R", ["L", "F"]
    ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = 1, 1, 1
    xray(ds, run.shape, {
        "KVP": "66", "XRayTubeCurrent": "310", "ExposureTime": "600", "Exposure": "186", "AveragePulseWidth": "60",
        "FrameIncrementPointer": FRAME_TIME_VECTOR, "FrameTimeVector": [str(step) for step in scene.steps], "FocalSpots": "0.6",
        "RecommendedDisplayFrameRate": "2", "PixelIntensityRelationship": "LIN", "PositionerMotion": "STATIC",
        "ContrastBolusAgent": "Iohexol 300 mg I/ml, diluted", "ContrastBolusVolume": "12", "ContrastFlowRate": "4",
    })
    geometry(ds, scene.DETECTOR, scene.source_detector, scene.source_patient, run.shape)
    ds.PositionerPrimaryAngle = ds.PositionerSecondaryAngle = "0"
    ds.TableMotion = "STATIC"
    _masks(ds, scene)
    common.window(ds, 800, 1600)
    common.encoding(ds, run, 12)
    return ds


def _masks(ds, scene):
    """How to subtract (PS3.3 C.7.6.10): the mean of the first frames, for the moved frames shifted to where the leg is then."""
    ds.RecommendedViewingMode = "SUB"
    items = []
    for first, last, shift in ((scene.MASKS[-1] + 1, scene.MOVED - 1, None), (scene.MOVED, scene.FRAMES, scene.move)):
        item = common.item(MaskOperation="AVG_SUB", ApplicableFrameRange=[first, last], MaskFrameNumbers=list(scene.MASKS))
        if shift:
            item.MaskSubPixelShift = list(shift)
        items.append(item)
    ds.MaskSubtractionSequence = items


def _xa_dsa_truth(seed):
    scene = _Knee(seed)
    line = curve(TRUNK)
    away = lengths(line)
    vessel = {}
    for name, at in (("over bone", 72.0), ("beside bone", 16.0)):
        px, py = between(np.array([at]), away, line)[0].tolist()
        vessel[name] = (round(py / scene.spacing + (scene.ROWS - 1) / 2, 1), round(px / scene.spacing + (scene.COLUMNS - 1) / 2, 1),
                        round(2 * (3.0 - 0.007 * at), 2))
    full = [round(float(scene.full(np.array(72.0), frame)), 3) for frame in range(scene.FRAMES)]
    return {"masks": list(scene.MASKS), "contrast": full, "peak": full.index(max(full)) + 1,
            "shifts": [scene.shift(frame) for frame in range(scene.FRAMES)], "mu": scene.MU, "spacing": round(scene.spacing, 5),
            "detector": scene.DETECTOR, "magnification": round(scene.magnification, 4), "vessel": vessel, "times": scene.times,
            "open": scene.OPEN}


IMAGES = {"xa_coronary": _xa_coronary, "xa_dsa": _xa_dsa}
TRUTH = {"xa_coronary": _xa_coronary_truth, "xa_dsa": _xa_dsa_truth}
