"""Gamma camera: a whole-body bone scan, and the flood that is measured each morning.

Each pixel holds a whole number of counts, drawn from the Poisson distribution of its mean: the variance equals the mean.
The dose in these objects is in MBq (PS3.3 C.8.4.10), where PET's is in Bq.

`truth` gives
    dose       MBq, injected (bone scan)
    counts     of each frame, all pixels together, as expected
    window     lower and upper limit, keV
    lesions    {name: (frame, column, row)} of hot spots: the pixel in the middle, in the frame (1 or 2) that shows it best
    mean       expected counts a pixel in the useful field (flood)
    useful     (first row, row after, first column, column after) of the useful field (flood)
"""

import numpy as np

from coursekit.hospital.draws import Draws
from coursekit.hospital.images import common, drawing

NM_STORAGE = "1.2.840.10008.5.1.4.1.1.20"
FRAMES_BY = [0x00540010, 0x00540020]  # Energy Window Vector, Detector Vector (PS3.3 C.8.4.8)
ROWS, COLUMNS, SPACING = 1024, 256, 2.2
TOP = 130.0  # mm, from the edge of the image to the crown of the head
VIEWS = (("399321004", "Anterior projection"), ("399001007", "Posterior projection"))
COUNTS = 1_400_000  # in a frame


def _technetium(dose, agent, codes):
    item = common.item(Radiopharmaceutical=agent, RadionuclideCodeSequence=[common.code("72454006", "SCT", "^99m^Technetium")],
                       RadiopharmaceuticalCodeSequence=[common.code(*codes)])
    if dose:
        item.RadionuclideTotalDose = str(dose)
    return item


def _module(ds, kind, window, name, views, size):
    """What NM objects share: detectors, energy window, frames (PS3.3 C.8.4)."""
    ds.Modality = "NM"
    ds.ImageType = ["ORIGINAL", "PRIMARY", kind, "EMISSION"]
    ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions = "Helio Systems", "Gannet 2", "8.1"
    ds.PatientOrientationCodeSequence = [common.code("102538003", "SCT", "recumbent")]
    ds.PatientOrientationCodeSequence[0].PatientOrientationModifierCodeSequence = [common.code("40199007", "SCT", "supine")]
    ds.PatientGantryRelationshipCodeSequence = [common.code("102540008", "SCT", "headfirst")]
    low, high = window
    ds.EnergyWindowInformationSequence = [common.item(
        EnergyWindowName=name,
        EnergyWindowRangeSequence=[common.item(EnergyWindowLowerLimit=str(low), EnergyWindowUpperLimit=str(high))])]
    ds.NumberOfEnergyWindows, ds.NumberOfDetectors = 1, len(views)
    ds.FrameIncrementPointer = FRAMES_BY
    ds.NumberOfFrames = len(views)
    single = len(views) == 1
    ds.EnergyWindowVector = 1 if single else [1] * len(views)
    ds.DetectorVector = 1 if single else list(range(1, len(views) + 1))
    ds.DetectorInformationSequence = []
    for value, meaning in views:
        detector = common.item(CollimatorGridName="LEHR", CollimatorType="PARA", FieldOfViewShape="RECTANGLE",
                               FieldOfViewDimensions=[str(size[0]), str(size[1])], FocalDistance="0",
                               XFocusCenter="0", YFocusCenter="0", ZoomCenter=["0", "0"], ZoomFactor=["1", "1"],
                               CenterOfRotationOffset="0", GantryDetectorTilt="0",
                               ImageOrientationPatient=None, ImagePositionPatient=None)
        if value:
            view = common.code(value, "SCT", meaning)
            view.ViewModifierCodeSequence = []
            detector.ViewCodeSequence = [view]
        ds.DetectorInformationSequence.append(detector)
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"


# --- the bone scan: lengths in mm, x from the midline to the image's right in the anterior view, y from the crown


class _Canvas:
    def __init__(self):
        self.x = (np.arange(COLUMNS) - (COLUMNS - 1) / 2) * SPACING
        self.y = np.arange(ROWS) * SPACING - TOP
        self.counts = np.zeros((ROWS, COLUMNS))

    def _part(self, left, right, top, bottom):
        a, b = np.searchsorted(self.x, (left, right))
        c, d = np.searchsorted(self.y, (top, bottom))
        return self.counts[c:d, a:b], self.x[a:b][None, :], self.y[c:d][:, None]

    def rod(self, x0, y0, x1, y1, radius, amount, end=None):
        """A bone from one point to another: as bright as it is thick; `end` is the radius at its second point."""
        end = radius if end is None else end
        wide = max(radius, end)
        part, x, y = self._part(min(x0, x1) - wide, max(x0, x1) + wide, min(y0, y1) - wide, max(y0, y1) + wide)
        dx, dy = x1 - x0, y1 - y0
        t = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy + 1e-9), 0, 1)
        here = radius + (end - radius) * t
        inside = 1 - ((x - x0 - t * dx) ** 2 + (y - y0 - t * dy) ** 2) / (here * here)
        np.maximum(part, amount * np.sqrt(np.clip(inside, 0, 1)), out=part)

    def oval(self, cx, cy, a, b, amount, rim=0.0, tilt=(1.0, 0.0)):
        """An organ; with `rim`, only its edge, that many times as wide as the whole."""
        reach = max(a, b) * (1 + rim)
        part, x, y = self._part(cx - reach, cx + reach, cy - reach, cy + reach)
        e = drawing.ellipse(x, y, cx, cy, a, b, tilt)
        if rim:
            np.maximum(part, amount * np.clip(1 - np.abs(e - 1) / rim, 0, 1), out=part)
        else:
            np.maximum(part, amount * np.sqrt(np.clip(1 - e * e, 0, 1)), out=part)

    def path(self, points, radius, amount):
        for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
            self.rod(x0, y0, x1, y1, radius, amount)


def _bow(x0, y0, x1, y1, x2, y2, steps=9):
    """Points of a curve from the first point to the last, drawn towards the middle one."""
    points = []
    for place in range(steps + 1):
        t = place / steps
        a, b, c = (1 - t) * (1 - t), 2 * t * (1 - t), t * t
        points.append((a * x0 + b * x1 + c * x2, a * y0 + b * y1 + c * y2))
    return points


def _flesh(canvas):
    """Soft tissue: faint."""
    faint = 0.09
    canvas.oval(0, 120, 80, 122, faint)
    canvas.rod(0, 230, 0, 300, 58, faint)
    canvas.oval(0, 560, 165, 300, faint * 1.3)
    canvas.oval(0, 860, 165, 150, faint * 1.4)
    for side in (-1, 1):
        canvas.rod(side * 165, 335, side * 222, 620, 46, faint, 38)
        canvas.rod(side * 222, 620, side * 250, 880, 38, faint, 26)
        canvas.rod(side * 92, 900, side * 74, 1320, 80, faint, 56)
        canvas.rod(side * 74, 1320, side * 60, 1690, 56, faint, 34)


def _skeleton(front):
    """The mean counts of one view, in arbitrary units: 1 is much. `front` tells the anterior view from the posterior."""
    canvas = _Canvas()
    _flesh(canvas)
    near, far = (1.0, 0.55) if front else (0.55, 1.0)  # what lies in front, what lies behind
    canvas.oval(0, 108, 70, 96, 0.42, 0.10)
    canvas.oval(0, 108, 66, 92, 0.24)
    canvas.oval(0, 176, 40, 36, 0.60 * near)
    canvas.rod(-34, 206, 34, 206, 14, 0.42 * near)
    canvas.rod(0, 215, 0, 300, 20, 0.55)
    canvas.rod(0, 300, 0, 640, 19, 0.74 * far + 0.1, 24)
    canvas.rod(0, 640, 0, 790, 25, 0.86 * far + 0.08, 29)
    for level in range(18):
        y = 300 + 27.5 * level
        canvas.rod(-22 - level // 3, y, 22 + level // 3, y, 8, 0.80 * far)
    if front:
        canvas.rod(0, 330, 0, 372, 26, 0.72, 20)
        canvas.rod(0, 372, 0, 500, 18, 0.62, 15)
    for side in (-1, 1):
        for rib in range(10):
            y, width = 318 + 25.5 * rib, 80 + 13 * min(rib, 5) - 4 * max(rib - 6, 0)
            back = _bow(side * 20, y, side * width * 1.05, y - 22, side * width, y + 46 + 3 * rib)
            canvas.path(back, 6.5, 0.46 * far + 0.05)
            if rib < 7:
                ahead = _bow(side * width, y + 46 + 3 * rib, side * width * 0.98, y + 92 + 3 * rib, side * 34, y + 62 + 4 * rib)
                canvas.path(ahead, 6.5, 0.44 * near)
        canvas.path(_bow(side * 20, 322, side * 70, 318, side * 158, 290), 8, 0.56 * near + 0.1)
        canvas.oval(side * 170, 316, 21, 25, 0.60, 0, (0.94, -side * 0.342))  # shoulder
        canvas.rod(side * 108, 350, side * 92, 462, 8, 0.56 * far)
        canvas.rod(side * 165, 335, side * 92, 470, 7, 0.46 * far)
        canvas.rod(side * 96, 340, side * 165, 312, 9, 0.50 * far)
        canvas.rod(side * 176, 330, side * 216, 600, 13, 0.36)
        canvas.oval(side * 220, 612, 19, 14, 0.44)
        canvas.rod(side * 226, 625, side * 256, 852, 7, 0.32)
        canvas.rod(side * 214, 625, side * 238, 852, 7, 0.32)
        canvas.oval(side * 248, 866, 24, 15, 0.56)
        for finger in range(4):
            canvas.rod(side * (236 + 8 * finger), 880, side * (228 + 15 * finger), 966 - 6 * abs(finger - 1), 5, 0.30)
        # Pelvis and hips.
        canvas.oval(side * 84, 828, 58, 64, 0.46, 0.16, (0.94, side * 0.342))
        canvas.oval(side * 86, 830, 52, 58, 0.34)
        canvas.rod(side * 40, 790, side * 34, 862, 11, 1.0 * far)  # sacroiliac joint
        canvas.oval(side * 46, 948, 32, 36, 0.42, 0.22)
        canvas.oval(side * 98, 896, 22, 24, 0.56)
        canvas.rod(side * 100, 896, side * 122, 930, 15, 0.52)
        canvas.rod(side * 122, 930, side * 82, 1300, 17, 0.34, 16)
        canvas.oval(side * 78, 1318, 34, 24, 0.50)
        canvas.oval(side * 76, 1350, 32, 18, 0.48)
        if front:
            canvas.oval(side * 78, 1316, 19, 19, 0.66)
        canvas.rod(side * 72, 1365, side * 64, 1680, 13, 0.36, 10)
        canvas.rod(side * 92, 1370, side * 78, 1684, 6, 0.26)
        canvas.oval(side * 66, 1694, 24, 18, 0.60)
        canvas.rod(side * 66, 1706, side * 76, 1776, 18, 0.44, 14)
    canvas.rod(0, 800, 0, 872, 30, 0.92 * far, 14)  # sacrum
    canvas.rod(-24, 946, 24, 946, 11, 0.46 * near)
    for side in (-1, 1):
        canvas.oval(side * 62, 690 + 8 * side, 26, 52, 0.80 * far * far + 0.08, 0, (0.97, side * 0.243))  # kidneys
    canvas.oval(0, 908, 34, 27, 1.9 * near)  # bladder
    return canvas


class _Scan:
    DATE = "20250403"

    def __init__(self, seed):
        draws = Draws(seed, "nm_bone")
        self.dose = 640 if seed == 0 else 10 * draws.one(56, 72)
        # name: x, y, radius, how hot, seen from the front, seen from behind
        places = {
            "rib": (-116, 466, 12, 2.6, 0.5, 1.0), "vertebra": (6, 668, 18, 2.4, 0.5, 1.0),
            "ilium": (104, 806, 15, 2.2, 0.9, 0.8), "femur": (-106, 1010, 15, 2.0, 1.0, 0.8), "skull": (34, 70, 13, 1.8, 0.9, 0.6),
        }
        names = list(places) if seed == 0 else [list(places)[place] for place in draws.sample(np.arange(5), draws.one(2, 4))]
        names = names[:3] if seed == 0 else names
        self.lesions = {}
        for name in names:
            x, y, radius, hot, front, back = places[name]
            move = 0 if seed == 0 else draws.one(-8, 8)
            self.lesions[name] = (x, y + move, radius, hot, front, back)
        self.draws = draws

    def means(self):
        """Expected counts: frames, rows, columns. The posterior frame shows the patient's left on its left."""
        frames = []
        for front in (True, False):
            canvas = _skeleton(front)
            for x, y, radius, hot, ahead, behind in self.lesions.values():
                canvas.oval(x, y, radius, radius, hot * (ahead if front else behind))
            counts = canvas.counts if front else canvas.counts[:, ::-1]
            # No bone takes up everywhere the same. Then the camera's resolution, 10 mm at half height, and what was scattered.
            uneven = 0.62 + 0.76 * drawing.clouds(self.draws, counts.shape, 4)
            taken_up = np.round(counts * uneven * 65536).astype(np.int64)
            seen = drawing.blur(taken_up, 2, 2) + drawing.blur(taken_up, 14, 2) // 3
            frames.append(seen * (COUNTS / int(seen.sum())) + 0.02)
        return np.array(frames)

    def told(self, name):
        x, y, _, _, front, back = self.lesions[name]
        column = (COLUMNS - 1) / 2 + x / SPACING
        frame = 1 if front > back else 2
        return frame, round(column if frame == 1 else COLUMNS - 1 - column), round((y + TOP) / SPACING)


def _nm_bone(seed):
    scan = _Scan(seed)
    counts = drawing.poisson(scan.draws, scan.means())
    study, accession = common.ordered(scan.DATE, 61)
    ds = common.dataset(NM_STORAGE, (study, f"{study}.1", f"{study}.1.1"), "NM1")
    common.person(Draws(seed, "nm_bone person"), ds, "M")
    ds.IssuerOfPatientID = "HVGH"
    ds.AccessionNumber, ds.StudyID = accession, "40361"
    common.when(ds, scan.DATE, "131005", "133210", "133210")
    _module(ds, "WHOLE BODY", (126.5, 154.6), "Tc99m 140k 20%", VIEWS, (540, 400))
    for side, detector in zip((1, -1), ds.DetectorInformationSequence, strict=True):  # rows run to the left, or to the right
        edge = (COLUMNS - 1) / 2 * SPACING
        detector.ImageOrientationPatient = [str(side), "0", "0", "0", "0", "-1"]
        detector.ImagePositionPatient = [common.number(-side * edge), common.number(-side * 180), "0"]
    ds.StudyDescription, ds.SeriesDescription, ds.ProtocolName = "NM BONE SCAN", "Whole body", "Bone whole body"
    ds.BodyPartExamined = "WHOLEBODY"
    ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = 1, 1, 1
    ds.RadiopharmaceuticalInformationSequence = [
        _technetium(scan.dose, "Medronate", ("96390006", "SCT", "Technetium Tc^99m^ medronate"))]
    ds.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartTime = "101530"
    ds.WholeBodyTechnique, ds.ScanVelocity, ds.ScanLength = "1PS", "2.3", round(ROWS * SPACING)
    ds.AcquisitionTerminationCondition, ds.ActualFrameDuration = "TIME", 990_000
    ds.PatientOrientation = ""
    ds.PixelSpacing = [common.number(SPACING)] * 2
    ds.CountsAccumulated = int(counts.sum())
    common.window(ds, 20, 40)
    common.encoding(ds, counts.astype(np.uint16), 16)
    return ds


def _nm_bone_truth(seed):
    scan = _Scan(seed)
    return {"dose": scan.dose, "counts": (COUNTS, COUNTS), "window": (126.5, 154.6),
            "lesions": {name: scan.told(name) for name in scan.lesions}}


# --- the flood


USEFUL = (16, 240, 16, 240)


def _flood_mean(seed):
    return 230 if seed == 0 else Draws(seed, "nm_flood mean").one(160, 300)


def _nm_flood(seed):
    draws = Draws(seed, "nm_flood")
    size, spacing = 256, 2.1
    mean = np.zeros((size, size))
    top, bottom, left, right = USEFUL
    mean[top:bottom, left:right] = _flood_mean(seed)
    counts = drawing.poisson(draws, mean)
    study = common.invented("NM1", "20250407", 1)
    ds = common.dataset(NM_STORAGE, (study, f"{study}.1", f"{study}.1.1"), "NM1")
    common.patient(ds, "QC^FLOOD", "QC-NM1", "", "O")
    ds.QualityControlSubject = "YES"
    common.when(ds, "20250407", "070205", "070205", "070205")
    _module(ds, "STATIC", (109.8, 134.2), "Co57 122k 20%", (("", ""),), (540, 540))
    ds.AccessionNumber, ds.StudyID, ds.StudyDescription, ds.SeriesDescription = "", "QC0407", "Daily QC flood", "Co-57 flood"
    ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = 1, 1, 1
    ds.Laterality, ds.PatientOrientation = "", ""
    ds.RadiopharmaceuticalInformationSequence = [common.item(
        Radiopharmaceutical="Co-57 sheet source", RadionuclideCodeSequence=[common.code("27054007", "SCT", "^57^Cobalt")])]
    ds.AcquisitionTerminationCondition, ds.ActualFrameDuration = "CNTS", 600_000
    ds.PixelSpacing = [common.number(spacing)] * 2
    ds.CountsAccumulated = int(counts.sum())
    common.window(ds, _flood_mean(seed), 120)
    common.encoding(ds, counts[None].astype(np.uint16), 16)
    return ds


def _nm_flood_truth(seed):
    top, bottom, left, right = USEFUL
    return {"mean": _flood_mean(seed), "useful": USEFUL, "window": (109.8, 134.2),
            "counts": (_flood_mean(seed) * (bottom - top) * (right - left),)}


IMAGES = {"nm_bone": _nm_bone, "nm_flood": _nm_flood}
TRUTH = {"nm_bone": _nm_bone_truth, "nm_flood": _nm_flood_truth}
