"""The weekly scan of the CT's water phantom: calibrated inserts, two reconstruction kernels, two doses.

The phantom is a cylinder of water-equivalent plastic, 200 mm across, in three slices: inserts of known CT number; nothing
but water, for noise and uniformity; bars of 3 to 8 line pairs per cm. The layout is our own;
the materials are those usual in accreditation phantoms, with CT numbers typical of them at 120 kVp.

Both kernels reconstruct the same measurement, so their noise is of one origin. The noise has few low frequencies, as
filtered back projection leaves it, and is as strong everywhere in the slice, which in a real one it is not. Its standard
deviation goes with 1/sqrt(mAs).

`truth` gives for each series:
    HU        {insert: CT number}
    (where: `images.regions`, with the inserts and the "edge of bone" of the first slice, and "uniform" of the second)
    mAs, kV, kernel, CTDIvol (mGy)
    noise     standard deviation in water, HU
    line_pairs  of the third slice, per cm
    slices    {what it shows: Instance Number}
"""

import numpy as np

from coursekit.hospital.draws import Draws
from coursekit.hospital.images import common, drawing
from coursekit.hospital.images.common import axial, dataset, encoding, invented, patient, scale, when, window
from coursekit.hospital.images.ct import CT_STORAGE, technique

SIZE, SPACING, RADIUS = 512, 0.48828125, 100.0
INSERTS = {"air": -1000, "polyethylene": -95, "water": 0, "acrylic": 120, "bone": 910}
ANGLES = {"bone": (-0.6, -0.6), "polyethylene": (0.6, -0.6), "acrylic": (-0.6, 0.6), "air": (0.6, 0.6), "water": (0.0, 0.0)}
INSERT_RADIUS = 12.5
LINE_PAIRS = (3, 4, 5, 6, 7, 8)
MAS = {"": 240, "_low": 60}
CTDIVOL_PER_MAS = 0.0732  # mGy, in the 32 cm phantom
DATE, START = "20250407", "064012"
FINE = 64  # the arithmetic is in whole 64ths of a Hounsfield unit


def _smooth(fine):
    return drawing.blur(fine, 1, 3)


def _sharp(fine):
    once = drawing.blur(fine, 1)
    return once + 3 * (once - drawing.blur(once, 1)) // 2


KERNELS = {"smooth": (_smooth, "B30s"), "sharp": (_sharp, "B70s")}


def _series(kernel, dose):
    return f"ct_qc_{kernel}{dose}"


def _water_noise(seed):
    """Standard deviation of the noise before the kernel at 240 mAs, HU."""
    return 44.0 if seed == 0 else Draws(seed, "ct_qc scanner").one(400, 480) / 10


def _offsets(seed):
    """How far this edition's scanner reads each insert from its nominal CT number, HU."""
    if seed == 0:
        return dict.fromkeys(INSERTS, 0)
    draws = Draws(seed, "ct_qc calibration")
    return {name: draws.one(-3, 3) if name != "air" else 0 for name in INSERTS}


def _bars(x, y):
    """The third slice: groups of bars of bone-like plastic around the middle."""
    hu = 0.0 * x
    for place, pairs in enumerate(LINE_PAIRS):
        width = 5.0 / pairs  # mm, of a bar and of a gap
        cx, cy = (-48, 0, 48)[place % 3], (-28, 28)[place // 3]
        for bar in range(5):
            left = cx + (2 * bar - 4.5) * width
            amount = drawing.cover(width / 2 - np.abs(x - left - width / 2), SPACING)
            drawing.paint(hu, 910.0, amount * drawing.cover(14 - np.abs(y - cy), SPACING))
    return hu


def _objects(seed):
    """The three slices before any kernel, in HU."""
    x, y = drawing.grid(SIZE, SIZE, SPACING)
    body = drawing.disc(x, y, 0, 0, RADIUS, SPACING)
    offsets = _offsets(seed)
    hu = np.zeros(x.shape)
    for name, (right, down) in ANGLES.items():
        drawing.paint(hu, INSERTS[name] + offsets[name], drawing.disc(x, y, right * 95, down * 95, INSERT_RADIUS, SPACING))
    return [-1000 + (1000 + slice_) * body for slice_ in (hu, np.full(x.shape, 0.0 + offsets["water"]), _bars(x, y))]


def _made(kernel, dose):
    def make(seed):
        filtered, name = KERNELS[kernel]
        study = invented("CT2", DATE, 1)
        number = 2 + 2 * list(MAS).index(dose) + list(KERNELS).index(kernel)
        scanned = common.clock_time(START, 300 * list(MAS).index(dose))
        draws = Draws(seed, f"ct_qc{dose}")  # the same for both kernels: one measurement
        sigma = _water_noise(seed) * np.sqrt(MAS[""] / MAS[dose])
        slices = []
        for place, hu in enumerate(_objects(seed)):
            white = np.round(drawing.normal(draws, hu.shape) * (sigma * FINE)).astype(np.int64)
            ramped = white - drawing.blur(white, 3)
            fine = filtered(np.round(hu * FINE).astype(np.int64) + ramped)
            ds = dataset(CT_STORAGE, (study, f"{study}.{number}", f"{study}.{number}.{place + 1}"), "CT2")
            patient(ds, "QC^PHANTOM", "QC-CT2", "", "O")
            ds.QualityControlSubject = "YES"
            when(ds, DATE, START, scanned, common.clock_time(scanned, place))
            technique(ds, "CT2", kv=120, ma=MAS[dose], ms=1000, kernel=name)
            ds.Laterality = ""
            ds.CTDIvol = round(CTDIVOL_PER_MAS * MAS[dose], 2)
            ds.CTDIPhantomTypeCodeSequence = [common.code("113691", "DCM", "IEC Body Dosimetry Phantom")]
            ds.AccessionNumber, ds.StudyID = "", "QC0407"
            ds.StudyDescription = "Weekly QC water phantom"
            ds.SeriesDescription = f"QC {name} {MAS[dose]} mAs"
            ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = number, 1 + list(MAS).index(dose), place + 1
            axial(ds, hu.shape, SPACING, 40.0 - 40 * place, 5, f"{study}.9")
            ds.SliceLocation = common.number(40.0 - 40 * place)
            scale(ds, 1, -8192, "HU")
            window(ds, *((0, 400), (0, 100), (300, 1500))[place])
            # An intercept of -8192 leaves room for the noise of air below -1024, which else would be cut off.
            encoding(ds, ((fine + FINE // 2) // FINE + 8192).astype(np.uint16), 16)
            slices.append(ds)
        return slices
    return make


def _regions(seed):
    places = {name: _box(right * 95, down * 95, 8.0) for name, (right, down) in ANGLES.items()}
    return {**places, "uniform": _box(0, 0, 30.0), "edge of bone": _box(-57, -57, 20.0)}


def _box(x, y, half):
    def pixel(mm):
        return round((SIZE - 1) / 2 + mm / SPACING)
    return pixel(y - half), pixel(y + half), pixel(x - half), pixel(x + half)


def _gain(filtered):
    """By which factor a kernel changes the standard deviation of white noise: from its response to one point."""
    point = np.zeros((41, 41), np.int64)
    point[20, 20] = 1 << 24
    answer = filtered(point - drawing.blur(point, 3)) / float(1 << 24)
    return float(np.sqrt((answer * answer).sum()))


def _told(kernel, dose):
    def tell(seed):
        offsets = _offsets(seed)
        sigma = _water_noise(seed) * (MAS[""] / MAS[dose]) ** 0.5
        return {
            "HU": {name: value + offsets[name] for name, value in INSERTS.items()},
            "mAs": MAS[dose], "kV": 120, "kernel": KERNELS[kernel][1], "CTDIvol": round(CTDIVOL_PER_MAS * MAS[dose], 2),
            "noise": round(sigma * _gain(KERNELS[kernel][0]), 2),
            "line_pairs": LINE_PAIRS, "slices": {"inserts": 1, "uniform": 2, "bars": 3},
        }
    return tell


_ALL = [(kernel, dose) for dose in MAS for kernel in KERNELS]
IMAGES = {_series(*which): _made(*which) for which in _ALL}
REGIONS = {_series(*which): _regions for which in _ALL}
TRUTH = {_series(*which): _told(*which) for which in _ALL}
