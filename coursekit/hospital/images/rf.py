"""Fluoroscopy: a mouthful of barium being swallowed, seen from the side at 15 pulses a second.

An X-Ray Radiofluoroscopic Image (PS3.3 A.16). Its values are made for looking at, Pixel Intensity Relationship DISP: the
square root of the counts, so that neither air nor barium is lost in 8 bits. Barium is dark, air is bright.

`truth` gives
    frame_time ms
    head, tail of each frame, how far the front and the end of the mouthful have come along the way, mm from the lips
    narrow     mm from the lips at which the way is narrowest: the upper sphincter of the gullet
    opens      number, from 1, of the first frame in which barium is there
    passed     number of the first frame in which the end of the mouthful is below it
    way        of each 10 mm of the way, (row, column)
    spacing, detector, magnification : mm of a pixel where the neck is and at the detector; their ratio
"""

import numpy as np

from coursekit.hospital.draws import Draws
from coursekit.hospital.images import common, drawing
from coursekit.hospital.images.xa import FRAME_TIME, Tube, between, counted, curve, geometry, lengths, smooth, transmitted, xray

RF_STORAGE = "1.2.840.10008.5.1.4.1.1.12.2"
# x to the back, y to the feet, mm from the picture's middle; the patient looks to the left.
WAY = ((-60.0, -52.0), (-42.0, -58.0), (-24.0, -60.0), (-8.0, -52.0), (-1.0, -36.0), (1.5, -18.0), (2.5, 0.0), (4.0, 16.0), (6.5, 34.0),
       (11.0, 54.0), (18.0, 74.0), (26.0, 94.0))
WIDTHS = (5.0, 7.5, 8.5, 8.5, 8.5, 8.5, 6.5, 3.6, 6.0, 6.8, 7.0, 7.0)  # half the width of the way at each of its points


class _Swallow:
    ROWS = COLUMNS = 384
    FRAMES, TIME = 16, 66.667  # ms
    DETECTOR, MU = 0.56, 0.16  # mm; 1/mm, of the suspension of barium
    BRIGHT = 1500  # counts that give the highest value
    DATE = "20250401"

    def __init__(self, seed):
        draws = Draws(seed, "rf_swallow")
        self.source_patient, self.source_detector = (920, 1150) if seed == 0 else (draws.one(890, 950), draws.one(1120, 1180))
        self.speed = 232 if seed == 0 else draws.one(205, 260)  # mm/s, of the front
        self.length = 58 if seed == 0 else draws.one(46, 66)  # mm, of the mouthful in the throat
        self.draws = draws
        self.magnification = self.source_detector / self.source_patient
        self.spacing = self.DETECTOR / self.magnification
        self.x, self.y = drawing.grid(self.ROWS, self.COLUMNS, self.spacing)
        self.line = curve(WAY)
        self.away = lengths(self.line)
        self.radii = curve([(n, wide) for n, wide in enumerate(WIDTHS)])[:, 1]
        self.narrow = float(self.away[9 * 7])

    def ends(self, frame):
        """How far the front and the end of the mouthful have come, mm from the lips, in a frame counted from 0."""
        seconds = frame * self.TIME / 1000
        front = 34.0 + self.speed * max(seconds - 0.10, 0.0)
        return front, max(front - self.length - 6.0, 0.0)

    def raised(self, frame):
        """How far tongue bone and larynx are raised, 0 to 1."""
        front, end = self.ends(frame)
        return float(drawing.soft(front, 45, 85) * (1 - drawing.soft(end, 95, 150)))


def _edges(y, points):
    """The x of an outline, given as (y, x), at each height."""
    line = curve(points)
    return between(y[:, 0], line[:, 0], line)[:, 1][:, None]


def _neck(scene):
    """Attenuation of soft tissue and of the bones that do not move."""
    x, y = scene.x, scene.y
    coarse, fine = drawing.clouds(scene.draws, x.shape, 18) - 0.5, drawing.clouds(scene.draws, x.shape, 3) - 0.5
    front = _edges(y, ((-130, -66), (-92, -70), (-70, -73), (-52, -72), (-40, -66), (-28, -50), (-14, -36), (8, -33), (40, -36),
                       (70, -46), (130, -62)))
    back = _edges(y, ((-130, 92), (-80, 82), (-40, 70), (0, 66), (40, 76), (70, 96), (130, 150)))
    middle, half = (front + back) / 2, (back - front) / 2
    across = (x - middle) / half
    thick = 118.0 + 90.0 * drawing.soft(y, 34, 92) + 22.0 * drawing.soft(-y, 30, 80)
    flesh = 0.0200 * thick * np.sqrt(np.sqrt(np.clip(1 - across * across, 0, 1))) + 0.10 * coarse * (np.abs(across) < 0.96)
    bone = np.zeros(x.shape)
    bodies = ((22.0, -60.0), (19.5, -41.5), (17.5, -23.5), (17.5, -5.5), (19.5, 12.5), (23.5, 31.0), (29.5, 50.0), (37.0, 69.5),
              (46.0, 89.0))
    line = curve(bodies)
    for n, (cx, cy) in enumerate(bodies):
        ahead = line[min(9 * n + 4, len(line) - 1)] - line[max(9 * n - 4, 0)]
        ahead = ahead / np.sqrt((ahead * ahead).sum())
        u, v = (x - cx) * ahead[1] - (y - cy) * ahead[0], (x - cx) * ahead[0] + (y - cy) * ahead[1]
        tall, deep = 7.4 + 0.25 * n, 8.3 + 0.3 * n
        waist = deep * (0.93 + 0.07 * (v / tall) ** 2)
        p, q = (u / waist) ** 2, ((v + 0.10 * u) / tall) ** 2
        box = np.sqrt(np.sqrt(np.sqrt(p * p * p * p + q * q * q * q)))  # between a square and a circle
        body = 1 - drawing.soft(box, 0.90, 1.04)
        rim = np.clip(1 - np.abs(box - 0.93) / 0.08, 0, 1)
        bone += (12.0 + 5.0 * fine) * body + 5.5 * rim
        # Joints and arch behind the body, and the spinous process.
        joint = drawing.ellipse(u, v, deep + 6.5, 2.0, 6.2, 9.6, (0.88, 0.47))
        bone += 9.0 * np.sqrt(np.clip(1 - joint * joint, 0, 1)) + 3.0 * np.clip(1 - np.abs(joint - 0.93) / 0.1, 0, 1)
        reach = (29.0, 24.0, 24.0, 26.0, 30.0, 38.0, 38.0, 38.0, 38.0)[n]
        process = drawing.ellipse(u, v, deep + 13.0 + reach / 2, 6.5 + 0.12 * reach, reach / 2, 3.9, (0.93, 0.37))
        bone += 7.0 * np.sqrt(np.clip(1 - process * process, 0, 1)) + 2.5 * np.clip(1 - np.abs(process - 0.92) / 0.12, 0, 1)
    # The tooth of the second vertebra, and the arch of the first.
    tooth = drawing.ellipse(x, y, 21.0, -74.0, 4.8, 11.0, (0.98, -0.17))
    bone += 9.0 * np.sqrt(np.clip(1 - tooth * tooth, 0, 1))
    for cx, cy, a, b in ((12.5, -77.0, 3.6, 5.5), (43.0, -73.0, 13.0, 4.6)):
        arch = drawing.ellipse(x, y, cx, cy, a, b)
        bone += 9.0 * np.sqrt(np.clip(1 - arch * arch, 0, 1))
    bone += _jaws(scene, fine)
    base = drawing.soft(-y - 0.20 * x, 88, 97) * drawing.soft(x, -20, 4)
    return smooth(flesh + 0.030 * bone, 1, 1) + 0.9 * base


def _jaws(scene, fine):
    """Both jaws with their teeth, the palate: millimetres of bone."""
    x, y = scene.x, scene.y
    bone = np.zeros(x.shape)
    for points, radii, weight in (
        (((-63.0, -37.0), (-50.0, -35.0), (-32.0, -37.5), (-13.0, -45.0), (-2.5, -56.0), (1.5, -72.0), (3.0, -100.0)),
         (6.0, 7.5, 8.0, 8.0, 8.5, 9.0, 8.0), 0.62),
        (((-66.0, -80.0), (-44.0, -82.0), (-22.0, -82.0), (-8.0, -79.5)), (4.0, 3.4, 3.0, 1.6), 0.9),
    ):
        line = curve(points)
        wide = curve([(n, radius) for n, radius in enumerate(radii)])[:, 1]
        tube, hollow = Tube(x, y, line, wide), Tube(x, y, line, 0.72 * wide)
        bone[tube.box] = np.maximum(bone[tube.box], weight * tube.chord)
        bone[hollow.box] -= weight * hollow.chord * (0.62 + 0.2 * fine[hollow.box])
    for n in range(7):
        for up in (-1, 1):
            cx = -61.5 + 7.2 * n
            cy = -64.5 - 0.1 * n if up < 0 else -49.0 + 0.15 * n * n - 0.7 * n
            root = drawing.ellipse(x, y, cx, cy + 2.0 * up, 3.9, 10.0 - 0.5 * n, (0.998, 0.05 * up))
            bone += 7.0 * np.sqrt(np.clip(1 - root * root, 0, 1))
            crown = drawing.ellipse(x, y, cx, cy - 4.4 * up, 3.9 + 0.1 * n, 3.8)
            bone += 7.0 * np.sqrt(np.clip(1 - crown * crown, 0, 1))
    return np.clip(bone, 0, None)


def _moving(scene, frame):
    """Attenuation of what a swallow moves: air in throat and windpipe (negative), the tongue bone, the lid of the larynx."""
    x, y = scene.x, scene.y
    raised = scene.raised(frame)
    up, ahead = 13.0 * raised, 6.0 * raised
    air, dense = np.zeros(x.shape), np.zeros(x.shape)

    def tube(found, weight, points, radii):
        part = Tube(x, y, curve(points), curve([(n, radius) for n, radius in enumerate(radii)])[:, 1])
        found[part.box] = np.maximum(found[part.box], weight * np.minimum(part.chord, 13.0))

    # The throat empties while barium passes, the larynx closes, the windpipe stays open.
    lid, cords = (-9.0 - ahead, -16.0 - up), (-14.0 - 0.6 * ahead, 7.0 - 0.7 * up)
    tube(air, 0.045 * (1 - 0.9 * raised), ((10.0, -92.0), (8.0, -78.0), (3.5, -62.0), (-2.0, -46.0), (-6.0, -30.0), lid),
         (4.5, 5.5, 6.0, 6.5, 6.0, 3.5))
    tube(air, 0.045 * (1 - raised), (lid, (-13.0 - ahead, -4.0 - up), cords), (3.5, 3.4, 4.2))
    tube(air, 0.045, (cords, (-12.0, 30.0), (-7.0, 56.0), (0.0, 80.0), (6.0, 100.0)), (4.2, 8.0, 8.2, 8.2, 8.2))
    # Bone and cartilage.
    tube(dense, 0.065, ((-29.0 - ahead, -20.5 - up), (-22.0 - ahead, -22.0 - up), (-12.0 - ahead, -25.5 - up)), (3.0, 1.9, 1.4))
    tube(dense, 0.05, ((-17.0 - ahead, -20.0 - up), (-11.0 - ahead, -25.0 - up + 12 * raised),
                       (-6.5 - 0.3 * ahead, -32.0 - up + 26 * raised)), (1.3, 1.6, 1.0))
    tube(dense, 0.035, ((-28.0 - ahead, -8.0 - up), (-26.0 - ahead, 6.0 - up), (-21.0 - ahead, 12.0 - up)), (1.6, 1.8, 1.4))
    return dense - air


def _barium(scene, way, frame):
    """Millimetres of barium in each pixel."""
    front, end = scene.ends(frame)
    along = way.along
    full = drawing.soft(along, end, end + 22.0) * (1 - drawing.soft(along, front - 22.0, front))
    if frame < 2:
        full = full * (1 - drawing.soft(along, 44, 66))  # the palate closes the mouth off before the swallow
    # Towards its ends the mouthful is thinner, not paler.
    wide = between(along.ravel(), scene.away, np.stack([scene.radii, scene.radii], axis=1))[:, 0].reshape(along.shape)
    body = 2 * np.sqrt(np.maximum(way.chord * way.chord / 4 - wide * wide * (1 - full), 0.0))
    coat = 0.05 * drawing.soft(along, 12, 30) * (1 - drawing.soft(along, end, end + 10)) * drawing.soft(along, 50, 66)
    amount = np.zeros(scene.x.shape)
    amount[way.box] = np.maximum(body, way.chord * coat)
    if end > 70:  # a little stays in the pocket behind the tongue
        left = drawing.ellipse(scene.x, scene.y, -9.5 - 6 * scene.raised(frame), -27.0 - 13 * scene.raised(frame), 2.4, 5.6, (0.80, 0.60))
        amount += 6.0 * np.sqrt(np.clip(1 - left * left, 0, 1)) * float(drawing.soft(end, 70, 100))
    return amount


def _rf_swallow(seed):
    scene = _Swallow(seed)
    neck, way = _neck(scene), Tube(scene.x, scene.y, scene.line, scene.radii)
    run = np.zeros((scene.FRAMES, scene.ROWS, scene.COLUMNS), np.uint8)
    for frame in range(scene.FRAMES):
        attenuation = np.clip(neck + smooth(_moving(scene, frame), 1, 1), 0.0, None) + scene.MU * smooth(_barium(scene, way, frame))
        counts = counted(scene.draws, 25.0 + 5200.0 * transmitted(attenuation))  # 25: scattered radiation
        run[frame] = np.clip(np.round(255 * np.sqrt(counts / scene.BRIGHT)), 0, 255)

    study, accession = common.ordered(scene.DATE, 85)
    ds = common.dataset(RF_STORAGE, (study, f"{study}.1", f"{study}.1.1"), "RF1")
    common.person(Draws(seed, "rf_swallow person"), ds, "F")
    ds.IssuerOfPatientID = "HVGH"
    ds.AccessionNumber, ds.StudyID = accession, "40185"
    common.when(ds, scene.DATE, "104015", "104310", "104310")
    ds.Modality = "RF"
    ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions = "Cardine Imaging", "Table R2", "2.0"
    ds.StudyDescription, ds.SeriesDescription = "RF BARIUM SWALLOW", "Lateral, liquid"
    ds.BodyPartExamined, ds.PatientOrientation = "ESOPHAGUS", ["P", "F"]
    ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = 1, 1, 1
    xray(ds, run.shape, {
        "KVP": "80", "XRayTubeCurrent": "40", "ExposureTime": "80", "Exposure": "3", "AveragePulseWidth": "5",
        "FrameIncrementPointer": FRAME_TIME, "FrameTime": common.number(scene.TIME, 3), "CineRate": "15",
        "RecommendedDisplayFrameRate": "15", "PixelIntensityRelationship": "DISP",
        "ContrastBolusAgent": "Barium sulfate suspension", "ContrastBolusRoute": "ORAL", "ContrastBolusVolume": "10",
    })
    geometry(ds, scene.DETECTOR, scene.source_detector, scene.source_patient, run.shape)
    common.window(ds, 128, 256)
    common.encoding(ds, run, 8)
    return ds


def _rf_swallow_truth(seed):
    scene = _Swallow(seed)
    ends = [scene.ends(frame) for frame in range(scene.FRAMES)]
    way = []
    for px, py in between(np.arange(0.0, scene.away[-1], 10.0), scene.away, scene.line).tolist():
        way.append((round(py / scene.spacing + (scene.ROWS - 1) / 2, 1), round(px / scene.spacing + (scene.COLUMNS - 1) / 2, 1)))
    return {
        "frame_time": scene.TIME, "head": [round(front, 1) for front, _ in ends], "tail": [round(end, 1) for _, end in ends],
        "narrow": round(scene.narrow, 1), "opens": next(n for n, (front, _) in enumerate(ends, 1) if front > scene.narrow),
        "passed": next((n for n, (_, end) in enumerate(ends, 1) if end > scene.narrow), None), "way": way,
        "spacing": round(scene.spacing, 5), "detector": scene.DETECTOR, "magnification": round(scene.magnification, 4),
    }


IMAGES = {"rf_swallow": _rf_swallow}
TRUTH = {"rf_swallow": _rf_swallow_truth}
