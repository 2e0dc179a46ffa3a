"""Mammography: the four standard views of one woman, and a tomosynthesis of the view with the lesion (PS3.3 A.27, A.55, C.8.11.7).

The woman is the story's P2, at her diagnostic examination; her left breast has a mass with microcalcifications. A breast
is drawn at u, v: mm from the chest wall to the nipple, and mm downwards from the middle of the image; so the left breast
is as it is displayed, and the right one is its mirror image.

`truth` gives
    view, side    the view (CC or MLO) and Image Laterality
    orientation   where rows and columns lead: Patient Orientation
    chest_wall    the edge of the image at which it lies: "left" or "right"
    relative      the unit's own exposure index, 4 for each µGy at the detector; IEC 62494-1 does not cover mammography
    per_ugy       stored values for each µGy of the For Processing image; "quanta" for each µGy in a pixel of it
    spacing       mm, at the detector
    places        {name: (row, column)}; "mass" where there is one
    behind        how far the mass lies behind the nipple, mm: the same in both views
    mass, grains  diameter of the mass in mm, number of calcifications in it
    thickness, force  of the compressed breast, mm and N;  organ_dose  mGy to the glands
    partner       the name of the same exposure's other image
and of the tomosynthesis also
    slices, increment  how many, and mm from one to the next
    sharp         the frame in which the mass is sharp, counted from 1
    story         (role, procedure) of the story's people
"""

from functools import lru_cache

import numpy as np

from coursekit.hospital.draws import Draws
from coursekit.hospital.images import common, drawing, projection
from coursekit.hospital.images.projection import along, chord, rounded, tube

FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.2"
FOR_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.2.1"
TOMOSYNTHESIS = "1.2.840.10008.5.1.4.1.1.13.1.3"
BITS, PER_UGY = 14, 8
QUANTA = 3000  # absorbed for each mm² and µGy

# Attenuation at about 20 keV, per mm: fat, glands, muscle and tumour, calcium.
FAT, GLAND, MUSCLE, TUMOUR, CALCIUM = 0.0456, 0.0802, 0.0800, 0.0850, 1.10

# The skin line, (v, u).
CC_SKIN = [(-96, 0), (-92, 14), (-82, 40), (-60, 69), (-30, 88), (0, 95), (30, 87), (58, 66), (76, 40), (86, 14), (90, 0)]
MLO_SKIN = [(-130, 58), (-100, 60), (-72, 66), (-44, 76), (-16, 88), (10, 96), (24, 98), (40, 94), (60, 78), (74, 52), (82, 30),
            (90, 20), (104, 16), (130, 14)]
NIPPLES = {"CC": (95, 0), "MLO": (97.5, 22)}
PECTORAL = [(-130, 62), (-90, 54), (-50, 38), (-10, 18), (20, 4), (34, -6), (60, -30)]


class _Breast:
    """One breast in one view. side: R, L; view: CC, MLO; spacing in mm."""

    def __init__(self, seed, side, view, shape, spacing):
        self.seed, self.side, self.view, self.spacing = seed, side, view, spacing
        self.draws = Draws(seed, f"mg {side} {view}")
        traits = Draws(seed, "mg")
        self.size = (1.0 if seed == 0 else traits.one(90, 104) / 100) * (1.02 if side == "R" else 1.0)
        self.dense = 0.50 if seed == 0 else traits.one(34, 62) / 100
        self.thickness = {"CC": 54, "MLO": 58}[view] if seed == 0 else traits.one(44, 64) + 4 * (view == "MLO")
        rows, columns = shape
        u = (np.arange(columns) + 0.5) * spacing / self.size
        v = (np.arange(rows) - (rows - 1) / 2) * spacing / self.size
        self.u, self.v = np.broadcast_to(u, shape), np.broadcast_to(v[:, None], shape)
        self.lesion = _Lesion(seed) if side == "L" else None


class _Lesion:
    """The mass of the left breast and its calcifications, in mm of a breast of size 1.

    nipple  : how far behind the nipple
    lateral : from the nipple to the side; above: from the nipple upwards
    In the oblique view, at 45 degrees, a step to the side and a step upwards both go up on the image, by cos 45 each.
    """

    def __init__(self, seed):
        draws = Draws(seed, "mg lesion")
        self.behind = 43 if seed == 0 else draws.one(34, 52)
        self.lateral, self.above = (22, 26) if seed == 0 else (draws.one(12, 28), draws.one(14, 30))
        self.radius = 7.0 if seed == 0 else draws.one(50, 85) / 10
        bulges = [(draws.one(-72, 72) / 100, draws.one(-72, 72) / 100, draws.one(24, 56) / 100) for _ in range(13)]
        # Drawn in a square; moved into a circle.
        self.bulges = [(x * float(np.sqrt(1 - 0.95 * y * y)), y * float(np.sqrt(1 - 0.95 * x * x)), size) for x, y, size in bulges]
        self.rays = [(draws.one(-100, 100), draws.one(-100, 100), draws.one(140, 270) / 100) for _ in range(13)]
        count = 11 if seed == 0 else draws.one(7, 14)
        self.grains = [(draws.one(-75, 75) / 10, draws.one(-60, 60) / 10, draws.one(-60, 60) / 10, draws.one(18, 42) / 100)
                       for _ in range(count)]

    def centre(self, view):
        nipple = NIPPLES[view]
        up = self.lateral if view == "CC" else (self.lateral + self.above) * 0.70710678
        return nipple[0] - self.behind, nipple[1] - up

    def height(self):
        """How far across the compressed breast in the oblique view, from its middle towards the detector, mm."""
        return (self.lateral - self.above) * 0.70710678 + 3


def _shape(breast):
    """Where the breast is, 0 to 1; how thick it is (mm); how much of its rim is skin (mm)."""
    u, v, step = breast.u, breast.v, breast.spacing
    edge = along(v[:, :1], CC_SKIN if breast.view == "CC" else MLO_SKIN)
    nipple = 1 - drawing.soft(np.abs(v - NIPPLES[breast.view][1]), 0.0, 6.8)
    inside = drawing.soft(edge + 5.5 * nipple - u, -0.2, 0.4)
    near = projection.smooth(inside, round(9 / step), 3)
    thick = breast.thickness * np.sqrt(np.clip((near - 0.36) / 0.60, 0, 1)) * inside
    thick = np.maximum(thick, 11 * inside * nipple)
    rim = projection.smooth(inside, max(round(0.9 / step), 1), 2)
    skin = 5.0 * inside * (1 - drawing.soft(rim, 0.55, 1.0))
    return inside, thick, skin


def _polar(breast, draws, grain, stretch):
    """A random field of values 0..1 that runs towards the nipple."""
    cu, cv = NIPPLES[breast.view]
    du, dv = cu + 14 - breast.u, breast.v - cv
    far = np.sqrt(du * du + dv * dv)
    turn = dv / (np.abs(du) + np.abs(dv) + 1e-9)  # -1 to 1 over the half plane behind the nipple
    field = projection.clouds(draws, (480, 240), grain)
    row = np.clip((turn + 1) * 239, 0, 478.99)
    column = np.clip(far / stretch, 0, 238.99)
    first, second = row.astype(np.int64), column.astype(np.int64)
    a, b = row - first, column - second
    return (field[first, second] * (1 - a) * (1 - b) + field[first + 1, second] * a * (1 - b) + field[first, second + 1] * (1 - a) * b
            + field[first + 1, second + 1] * a * b)


def _glands(breast, draws):
    """Which share of the breast is glandular at each place, 0 to 1."""
    u, v, unit = breast.u, breast.v, 0.25 / breast.spacing
    cu, cv = NIPPLES[breast.view]
    lean = -9 if breast.view == "CC" else -16  # there is more of it on the outer upper side
    disc = drawing.ellipse(u, v, 0.54 * cu, cv + lean, 0.50 * cu, 0.60 * cu)
    big, mid, small, fine, tiny = (
        projection.clouds(draws, u.shape, max(round(radius * unit), 1)) - 0.5 for radius in (36, 15, 7, 3, 1))
    near = drawing.soft(drawing.ellipse(u, v, cu, cv, 1, 1), 6, 40)
    ducts = (_polar(breast, draws, 8, 1.6) - 0.5) * near
    texture = 0.60 * big + 0.50 * mid + 0.66 * ducts + 0.30 * small + 0.16 * fine + 0.07 * tiny
    here = 1 - drawing.soft(disc + 0.8 * (big + 0.5 * mid), 0.40, 1.30)
    fat = 0.05 + 0.05 * big + 0.06 * mid + 0.05 * small + 0.04 * fine + 0.03 * tiny
    return fat + 0.95 * here * drawing.soft(texture + breast.dense - 0.5, -0.75, 1.3)


LAYERS = (0.36, 0.26, 0.22, 0.16)  # weights: layers of glands, one over the other, blur into each other


def _overlaid(breast):
    """The glands' share of the whole compressed breast: what a ray meets in several layers, and fine fibrous texture."""
    coarse = _Breast(breast.seed, breast.side, breast.view, tuple(count // 2 for count in breast.u.shape), 2 * breast.spacing)
    share = sum(weight * _glands(coarse, breast.draws) for weight in LAYERS)
    share = projection.smooth(np.repeat(np.repeat(share, 2, axis=0), 2, axis=1), 1)
    fine, tiny = (projection.clouds(breast.draws, share.shape, radius) - 0.5 for radius in (4, 1))
    return share * (1 + 0.30 * fine + 0.16 * tiny)


def _strands(breast, draws, count):
    """Threads of fibrous tissue, thinner than a millimetre, most of them towards the nipple: mm of rays."""
    canvas = np.zeros(breast.u.shape)
    cu, cv = NIPPLES[breast.view]
    for _ in range(count):
        place = (draws.one(0, round(cu) - 6) + 0.5, cv + draws.one(-78, 70) + 0.5)
        aim = (cu + 10 - place[0], cv - place[1])
        long = float(np.sqrt(aim[0] * aim[0] + aim[1] * aim[1]))
        step = 3 + draws.one(0, 300) / 100
        turn = draws.one(-70, 70) / 100
        aim = ((aim[0] - turn * aim[1]) / long, (aim[1] + turn * aim[0]) / long)
        line, knots = [place], draws.one(3, 7)
        for _ in range(knots):
            line.append(tuple(last + step * way + draws.one(-150, 150) / 100 for last, way in zip(line[-1], aim, strict=True)))
        line, wide = rounded(line, 2), draws.one(18, 62) / 100
        tapered = [(*p, wide * 4 * (i + 0.6) * (len(line) - i) / (len(line) + 1) ** 2) for i, p in enumerate(line)]
        where, inside = tube(breast.u, breast.v, tapered)
        canvas[where] += inside
    return canvas


def _lesion_rays(breast):
    """What the mass and its calcifications take away beyond fat: two arrays."""
    lesion, u, v = breast.lesion, breast.u, breast.v
    cu, cv = lesion.centre(breast.view)
    flip = 1 if breast.view == "CC" else -1  # the views see the same mass from two sides
    radius = lesion.radius
    mass = chord(u, v, cu, cv, 0.9 * radius, 0.74 * radius, 1.7 * radius, (0.8, 0.6))
    for x, y, size in lesion.bulges:
        mass = np.maximum(mass, chord(u, v, cu + x * radius, cv + flip * y * radius, size * radius, 0.8 * size * radius, 1.45 * radius))
    for x, y, reach in lesion.rays:
        long = float(np.sqrt(x * x + y * y)) + 1e-9
        x, y = x / long, flip * y / long
        line = rounded([(cu + 0.6 * radius * x, cv + 0.6 * radius * y, 1.3), (cu + radius * (x * reach * 0.6 - 0.15 * y), cv + radius * (
            y * reach * 0.6 + 0.15 * x), 0.6), (cu + radius * reach * x, cv + radius * reach * y, 0.12)], 2)
        place, inside = tube(u, v, line)
        mass[place] = np.maximum(mass[place], 2.5 * inside)
    grains = np.zeros(u.shape)
    for x, y, z, size in lesion.grains:
        # A grain less than a pixel wide darkens it by the share that it covers.
        around = np.sqrt((u - cu - x) ** 2 + (v - cv - (y if breast.view == "CC" else 0.7 * (y + z))) ** 2)
        wide = max(size, 0.6 * breast.spacing)
        grains += 1.4 * size * (size / wide) * (size / wide) * np.clip(1.5 - around / wide, 0, 1)
    return (TUMOUR - FAT) * projection.smooth(mass, max(round(0.5 / breast.spacing), 1)), (CALCIUM - FAT) * grains


def _muscle(breast):
    """The chest muscle of the oblique view, and a lymph node in the armpit: each mm beyond fat."""
    if breast.view == "CC":
        return np.zeros(breast.u.shape), np.zeros(breast.u.shape)
    ripple = projection.clouds(breast.draws, breast.u.shape, round(3 / breast.spacing)) - 0.5
    edge = along(breast.v[:, :1], PECTORAL) - breast.u + 2.5 * ripple
    muscle = drawing.soft(edge, -1.5, 5.0) * (9 + 15 * drawing.soft(edge, 0, 55))
    node = drawing.ellipse(breast.u, breast.v, 55, -74, 6.2, 3.6, (0.8, 0.6)) + 0.5 * ripple
    return muscle, 6 * (1 - drawing.soft(node, 0.6, 1.05)) * (0.35 + 0.65 * drawing.soft(node, 0.2, 0.75))


def _lost(breast):
    """What the beam loses; the breast's thickness in mm."""
    inside, thick, skin = _shape(breast)
    share = _overlaid(breast)
    muscle, node = _muscle(breast)
    share = share * (1 - 0.75 * drawing.soft(muscle, 0, 12))
    if breast.lesion:  # it lies in a fatty part
        away = drawing.ellipse(breast.u, breast.v, *breast.lesion.centre(breast.view), breast.lesion.radius, breast.lesion.radius)
        share = share * (0.62 + 0.38 * drawing.soft(away, 1.0, 3.4))
    threads = projection.smooth(_strands(breast, breast.draws, 190), 1) * inside * (1 - drawing.soft(muscle, 0, 8))
    lost = FAT * thick + (GLAND - FAT) * (0.85 * share * thick + skin + 2.2 * threads)
    lost += (MUSCLE - FAT) * (muscle + node) * drawing.soft(thick, 10, 40)
    # Veins under the skin.
    for _ in range(4):
        line = [(breast.draws.one(6, 30) + 0.5, breast.draws.one(-60, 40) + 0.5)]
        for _ in range(6):
            line.append((line[-1][0] + breast.draws.one(4, 13), line[-1][1] + breast.draws.one(-9, 9)))
        place, ray = tube(breast.u, breast.v, [(*p, 1.1 - 0.02 * i) for i, p in enumerate(rounded(line, 2))])
        lost[place] += 0.8 * (GLAND - FAT) * ray * (inside * (1 - drawing.soft(muscle, 0, 8)))[place]
    if breast.lesion:
        mass, grains = _lesion_rays(breast)
        lost += mass + grains
    return lost, thick


# --- objects

ROWS, COLUMNS, SPACING = 900, 600, 0.25
CODES = {"CC": ("399162004", "cranio-caudal"), "MLO": ("399368009", "medio-lateral oblique")}
ORIENTATIONS = {"LCC": ("A", "R"), "RCC": ("P", "L"), "LMLO": ("A", "FR"), "RMLO": ("P", "FL")}
DATE, START, STORY = "20250319", "110533", ("P2", "MGDX")
ORDER = ("RCC", "LCC", "RMLO", "LMLO")


class _Exposure:
    """One view: what the detector measured (`raw`), left breast as displayed, right one mirrored."""

    def __init__(self, seed, name):
        side, self.view = name[0], name[1:]
        breast = _Breast(seed, side, self.view, (ROWS, COLUMNS), SPACING)
        lost, thick = _lost(breast)
        region = thick > 0.8 * breast.thickness
        percent = {"RCC": 101, "LCC": 98, "RMLO": 104, "LMLO": 102}[name] if seed == 0 else breast.draws.one(82, 120)
        mirrored = slice(None, None, -1 if side == "R" else 1)
        lost, thick, region = lost[:, mirrored], thick[:, mirrored], region[:, mirrored]
        x, y = drawing.grid(ROWS, COLUMNS, SPACING)
        lost = lost + 5 * projection.marker(x, y, f"{side} {self.view}", 28 if side == "L" else -68, -104, 7)
        dose = projection.expose(breast.draws, lost, SPACING, region, percent, QUANTA, 0.25, 10)
        self.breast, self.region = breast, region
        self.raw = projection.stored(dose, PER_UGY, BITS)
        self.relative = round(4 * float(np.sort(self.raw[region])[region.sum() // 2]) / PER_UGY)
        self.filled = 0.9 * FAT * (breast.thickness - thick) * (thick > 0.3)
        self.organ_dose = round(1.15 * breast.thickness * percent / 5400, 2)

    def pixel(self, u, v):
        """Row and column of a point of the breast."""
        return _pixel(self.breast, u, v, (ROWS, COLUMNS))


def _pixel(breast, u, v, shape):
    row = round(v * breast.size / breast.spacing + (shape[0] - 1) / 2)
    column = round(u * breast.size / breast.spacing - 0.5)
    return row, column if breast.side == "L" else shape[1] - 1 - column


@lru_cache(maxsize=8)
def _exposure(seed, name):
    return _Exposure(seed, name)


def _object(seed, sop_class, series, number, seconds, description):
    study, accession = common.ordered(DATE, 83)
    ds = common.dataset(sop_class, (study, f"{study}.{series}", f"{study}.{series}.{number}"), "MG1")
    common.story_person(ds, seed, "P2")
    ds.AccessionNumber, ds.StudyID = accession, accession[-5:]
    ds.SeriesNumber, ds.InstanceNumber = series, number
    start = common.clock_time(START, seconds)
    common.when(ds, DATE, START, common.clock_time(START, 600) if series == 3 else START, start)
    ds.Modality = "MG"
    ds.Manufacturer, ds.ManufacturerModelName = "Aldergate Imaging", "Mamma 3D"
    ds.DeviceSerialNumber, ds.SoftwareVersions = "2.999-MG-0077", "2.1"
    ds.StudyDescription, ds.SeriesDescription = "MG DIAGNOSTIC", description
    ds.BodyPartExamined = "BREAST"
    return ds


def _force(breast):
    return 96 + breast.thickness // 2 + (6 if breast.side == "L" else 0)


def _image(seed, name, processing=False):
    exposure = _exposure(seed, name)
    breast, side, view = exposure.breast, name[0], name[1:]
    number = ORDER.index(name) + 1
    ds = _object(seed, FOR_PROCESSING if processing else FOR_PRESENTATION, 2 if processing else 1, number, 95 * number,
                 "FFDM raw" if processing else "FFDM")
    ds.AnatomicRegionSequence = [common.code("76752008", "SCT", "Breast")]
    ds.ImageLaterality, ds.OrganExposed = side, "BREAST"
    ds.PatientOrientation = list(ORIENTATIONS[name])
    ds.ViewPosition = view
    projection.view(ds, *CODES[view], modifiers=[])
    ds.PartialView, ds.BreastImplantPresent = "NO", "NO"
    ds.PositionerType = "MAMMOGRAPHIC"
    _positioning(ds, breast)
    ds.DetectorType, ds.DetectorConfiguration, ds.DetectorID = "DIRECT", "AREA", "2.999-SE-19"
    ds.FieldOfViewShape, ds.FieldOfViewDimensions = "RECTANGLE", [round(ROWS * SPACING), round(COLUMNS * SPACING)]
    _technique(ds, exposure)
    if processing:
        projection.header(ds, exposure.raw, BITS, SPACING, True)
        ds.FieldOfViewOrigin, ds.FieldOfViewRotation, ds.FieldOfViewHorizontalFlip = ["0", "0"], "0", "NO"
        return ds
    pixels = projection.rendered(exposure.raw, BITS, exposure.region, 60, 0.8, 1.2, exposure.filled)
    # Lifted off the open beam, which stays 0, so that the sigmoid shows it black.
    pixels = np.clip(np.round(0.82 * pixels + 900 * np.clip(pixels / 480, 0, 1)), 0, 4095).astype(np.uint16)
    projection.header(ds, pixels, 12, SPACING, False)
    common.window(ds, 2450, 1900)
    ds.VOILUTFunction = "SIGMOID"
    ds.WindowCenterWidthExplanation = "STANDARD"
    if name == "LMLO":
        projection.came_from(ds, FOR_PROCESSING, f"{ds.StudyInstanceUID}.2.{number}")
    return ds


def _angle(breast):
    """Where the tube stands, in degrees from above, to the patient's left: for the oblique view at the other side."""
    return 0 if breast.view == "CC" else -45 if breast.side == "L" else 45


def _positioning(ds, breast):
    """Compression and the tube's place (PS3.3 C.8.11.5, C.8.11.7)."""
    ds.BodyPartThickness, ds.CompressionForce = str(breast.thickness), str(_force(breast))
    ds.PaddleDescription = "STANDARD 18X24"
    ds.PositionerPrimaryAngle, ds.PositionerPrimaryAngleDirection = str(_angle(breast)), "CC"
    ds.DistanceSourceToDetector, ds.DistanceSourceToPatient = "650", "633"
    ds.EstimatedRadiographicMagnificationFactor = common.number(650 / 633)


def _technique(ds, exposure):
    """X-Ray Acquisition Dose, Generation and Filtration. Organ Dose is in dGy, Entrance Dose in mGy."""
    milliseconds = round(7.2 * exposure.breast.thickness * exposure.organ_dose)
    ds.KVP, ds.AnodeTargetMaterial, ds.FocalSpots = "29", "TUNGSTEN", "0.3"
    ds.FilterMaterial = "RHODIUM"
    ds.FilterThicknessMinimum = ds.FilterThicknessMaximum = "0.05"
    ds.XRayTubeCurrent, ds.ExposureTime = 160, milliseconds
    ds.Exposure, ds.ExposureInuAs = round(0.16 * milliseconds), 160 * milliseconds
    ds.ExposureControlMode = "AUTOMATIC"
    ds.Grid = ["RECIPROCATING", "FOCUSED"]
    ds.HalfValueLayer = "0.54"
    ds.OrganDose = common.number(exposure.organ_dose / 100)
    ds.EntranceDoseInmGy = common.number(4.1 * exposure.organ_dose, 2)
    ds.RelativeXRayExposure = exposure.relative


def _truth(seed, name, **more):
    exposure = _exposure(seed, name)
    breast = exposure.breast
    places = {"nipple": exposure.pixel(*NIPPLES[breast.view])}
    if breast.view == "MLO":
        places["pectoral muscle"] = exposure.pixel(18, -70)
    if breast.lesion:
        places["mass"] = exposure.pixel(*breast.lesion.centre(breast.view))
        more |= _lesion_told(breast)
    return {"view": breast.view, "side": breast.side, "orientation": ORIENTATIONS[name],
            "chest_wall": "left" if breast.side == "L" else "right", "relative": exposure.relative, "per_ugy": PER_UGY,
            "quanta": QUANTA * SPACING * SPACING, "spacing": SPACING, "places": places, "thickness": breast.thickness,
            "force": _force(breast), "organ_dose": exposure.organ_dose, "story": STORY, **more}


def _lesion_told(breast):
    lesion = breast.lesion
    return {"behind": round(lesion.behind * breast.size, 1), "mass": round(2 * lesion.radius * breast.size, 1),
            "grains": len(lesion.grains)}


def _regions(seed, name):
    exposure = _exposure(seed, name)
    spots = {"fat": (16, -40 if name[1:] == "CC" else 70)}
    if exposure.breast.view == "MLO":
        spots["pectoral muscle"] = (18, -70)
    if exposure.breast.lesion:
        spots["mass"] = exposure.breast.lesion.centre(exposure.breast.view)
    found = {}
    for place, at in spots.items():
        row, column = exposure.pixel(*at)
        found[place] = (row - 8, row + 8, column - 8, column + 8)
    column = 560 if name[0] == "L" else 24
    return found | {"open air": (800, 816, column, column + 16)}


# --- tomosynthesis

FRAMES, TOMO_SHAPE, TOMO_SPACING = 12, (450, 300), 0.5
ARC, PROJECTIONS = 28, 15
KIND = ["DERIVED", "PRIMARY", "TOMOSYNTHESIS", "NONE"]
VOLUME = {"PixelPresentation": "MONOCHROME", "VolumetricProperties": "VOLUME", "VolumeBasedCalculationTechnique": "TOMOSYNTHESIS"}


class _Tomo:
    """The slices of the left oblique view: parallel to the detector, 12 of them through the compressed breast."""

    def __init__(self, seed):
        self.breast = breast = _Breast(seed, "L", "MLO", TOMO_SHAPE, TOMO_SPACING)
        self.increment = 5.0
        self.heights = [(number - (FRAMES - 1) / 2) * self.increment for number in range(FRAMES)]
        depth = breast.lesion.height() * breast.size
        self.sharp = min(range(FRAMES), key=lambda number: abs(self.heights[number] - depth)) + 1
        draws = Draws(seed, "dbt LMLO")
        _, thick, skin = _shape(breast)
        muscle, node = _muscle(breast)
        layers = [_glands(breast, draws) for _ in range(5)]
        threads = [projection.smooth(_strands(breast, draws, 60), 1) for _ in range(5)]
        mass, grains = _lesion_rays(breast)
        slices = []
        for height in self.heights:
            layer = (height - self.heights[0]) / (self.heights[-1] - self.heights[0]) * 3.999
            first, part = int(layer), layer - int(layer)
            share = (1 - part) * layers[first] + part * layers[first + 1]
            share = 0.6 * share + 0.4 * sum(layers) / 5
            fibre = (1 - part) * threads[first] + part * threads[first + 1]
            here = drawing.soft(thick / 2 - abs(height), -2.5, 1.5)  # the rim is rounded: outer slices are smaller
            chest = drawing.soft(muscle, 0, 20)
            value = share * (1 - 0.75 * chest) + 0.28 * fibre * (1 - chest) + 0.6 * chest + 0.05 * node + 0.10 * skin
            value = value * (0.35 + 0.65 * here)
            # What lies in another plane is smeared along the tube's way, down the image, by tan 14° to either side.
            far = abs(height - depth)
            smear = int(0.25 * far / TOMO_SPACING)
            weight = 1 / (1 + far * far / 60)
            value = value + weight * _smeared(0.5 * mass / (TUMOUR - FAT) / (2 * breast.lesion.radius), smear)
            value = value + _smeared(2.2 * grains, smear)
            grey = 300 + 1900 * value + 26 * drawing.normal(draws, value.shape)
            slices.append(np.where(thick > 0.3, np.clip(grey, 1, 4095), 0))
        self.pixels = np.round(np.array(slices)).astype(np.uint16)


def _smeared(values, half):
    """Each value spread evenly over 2·half+1 rows."""
    if half == 0:
        return values
    whole = np.round(np.pad(values, ((half + 1, half), (0, 0)), mode="edge") * 1048576).astype(np.int64)
    sums = np.cumsum(whole, axis=0)
    return (sums[2 * half + 1 :] - sums[: -2 * half - 1]) / (1048576 * (2 * half + 1))


@lru_cache(maxsize=1)
def _tomo(seed):
    return _Tomo(seed)


def _dbt(seed):
    tomo = _tomo(seed)
    breast = tomo.breast
    ds = _object(seed, TOMOSYNTHESIS, 3, 1, 660, "DBT L MLO")
    study = ds.StudyInstanceUID
    del ds.AcquisitionDate, ds.AcquisitionTime  # the frames have their own
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = f"{study}.3.9", ""
    ds.ImageType = KIND
    for keyword, value in VOLUME.items():
        setattr(ds, keyword, value)
    ds.ContentQualification = "PRODUCT"
    ds.BurnedInAnnotation, ds.LossyImageCompression, ds.PresentationLUTShape = "NO", "00", "IDENTITY"
    ds.AcquisitionContextSequence = []
    projection.view(ds, *CODES["MLO"], modifiers=[])
    ds.PartialView, ds.BreastImplantPresent = "NO", "NO"
    ds.XRay3DAcquisitionSequence = [_acquisition(breast)]
    ds.XRay3DReconstructionSequence = [common.item(
        ApplicationName="Mamma 3D recon", ApplicationVersion="2.1", ApplicationManufacturer="Aldergate Imaging",
        AlgorithmType="FILTER_BACK_PROJ", AcquisitionIndex=1)]
    organisation = f"{study}.3.8"
    ds.DimensionOrganizationSequence = [common.item(DimensionOrganizationUID=organisation)]
    ds.DimensionIndexSequence = [
        common.item(DimensionOrganizationUID=organisation, DimensionIndexPointer=pointer, FunctionalGroupPointer=0x00209111)
        for pointer in (0x00209056, 0x00209057)]
    ds.SharedFunctionalGroupsSequence = [common.item(
        PixelMeasuresSequence=[common.item(
            PixelSpacing=[common.number(TOMO_SPACING)] * 2, SliceThickness=common.number(tomo.increment),
            SpacingBetweenSlices=common.number(tomo.increment))],
        PlaneOrientationSequence=[common.item(ImageOrientationPatient=["0", "-1", "0", "-0.70710678", "0", "-0.70710678"])],
        FrameAnatomySequence=[common.item(
            AnatomicRegionSequence=[common.code("76752008", "SCT", "Breast")], FrameLaterality="L")],
        FrameVOILUTSequence=[common.item(WindowCenter="1250", WindowWidth="2300")],
        PixelValueTransformationSequence=[common.item(RescaleIntercept="0", RescaleSlope="1", RescaleType="US")])]
    ds.PerFrameFunctionalGroupsSequence = [_frame(tomo, number) for number in range(FRAMES)]
    ds.NumberOfFrames = FRAMES
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    common.encoding(ds, tomo.pixels, 12)
    return ds


def _frame(tomo, number):
    """The functional groups of one frame: rows lead to the front, columns down and to the right of the patient."""
    moment = DATE + common.clock_time(START, 660)
    root, down = 0.7071067811865476, (TOMO_SHAPE[0] - 1) / 2 * TOMO_SPACING
    height = tomo.heights[number]
    corner = (root * height + root * down, -TOMO_SPACING / 2, -root * height + root * down)
    return common.item(
        FrameContentSequence=[common.item(
            FrameAcquisitionDateTime=moment, FrameReferenceDateTime=moment, FrameAcquisitionDuration=9000.0,
            StackID="1", InStackPositionNumber=number + 1, DimensionIndexValues=[1, number + 1])],
        PlanePositionSequence=[common.item(ImagePositionPatient=[common.number(value) for value in corner])],
        XRay3DFrameTypeSequence=[common.item(FrameType=KIND, ReconstructionIndex=1, **VOLUME)])


def _acquisition(breast):
    """The projections from which the slices were reconstructed (PS3.3 C.8.21.3.4): an item of X-Ray 3D Acquisition Sequence."""
    moment = DATE + common.clock_time(START, 660)
    step = ARC / (PROJECTIONS - 1)
    middle = _angle(breast)
    return common.item(
        KVP="31", DistanceSourceToDetector="650", DistanceSourceToPatient="633",
        EstimatedRadiographicMagnificationFactor=common.number(650 / 633),
        FieldOfViewShape="RECTANGLE", FieldOfViewDimensionsInFloat=[225.0, 150.0], FieldOfViewOrigin=["0", "0"],
        FieldOfViewRotation="0", FieldOfViewHorizontalFlip="NO", FilterType="FLAT", FilterMaterial="ALUMINUM", Grid="NONE",
        FocalSpots="0.3", AnodeTargetMaterial="TUNGSTEN", BodyPartThickness=str(breast.thickness),
        CompressionForce=str(_force(breast)), PaddleDescription="STANDARD 18X24", DetectorTemperature="31",
        ExposureControlMode="AUTOMATIC", ExposureControlModeDescription="AEC", ExposureTimeInms=9000.0, XRayTubeCurrentInmA=100.0,
        ExposureInmAs=60.0, XRayReceptorType="DIGITAL_DETECTOR", HalfValueLayer="0.56",
        PrimaryPositionerScanArc=float(ARC), PrimaryPositionerScanStartAngle=middle - ARC / 2, PrimaryPositionerIncrement=step,
        StartAcquisitionDateTime=moment, EndAcquisitionDateTime=DATE + common.clock_time(START, 669),
        PerProjectionAcquisitionSequence=[common.item(
            KVP="31", RelativeXRayExposure=40, PositionerPrimaryAngle=common.number(middle - ARC / 2 + step * number),
            ExposureTimeInms=40.0, XRayTubeCurrentInmA=100.0, ExposureInmAs=4.0, FrameAcquisitionDuration=40.0)
            for number in range(PROJECTIONS)])


def _dbt_truth(seed):
    tomo = _tomo(seed)
    breast = tomo.breast
    places = {"nipple": _pixel(breast, *NIPPLES["MLO"], TOMO_SHAPE), "mass": _pixel(breast, *breast.lesion.centre("MLO"), TOMO_SHAPE)}
    return {"view": "MLO", "side": "L", "orientation": ORIENTATIONS["LMLO"], "chest_wall": "left", "spacing": TOMO_SPACING,
            "slices": FRAMES, "increment": tomo.increment, "sharp": tomo.sharp, "places": places, "thickness": breast.thickness,
            "force": _force(breast), "story": STORY, **_lesion_told(breast)}


def _dbt_regions(seed):
    row, column = _dbt_truth(seed)["places"]["mass"]
    return {"mass": (row - 5, row + 6, column - 5, column + 6), "calcifications": (row - 16, row + 17, column - 18, column + 19)}


IMAGES = {
    **{f"mg_{name.lower()}": (lambda seed, name=name: _image(seed, name)) for name in ORDER},
    "mg_lmlo_processing": lambda seed: _image(seed, "LMLO", True),
    "dbt_lmlo": _dbt,
}
REGIONS = {
    **{f"mg_{name.lower()}": (lambda seed, name=name: _regions(seed, name)) for name in ORDER},
    "mg_lmlo_processing": lambda seed: _regions(seed, "LMLO"),
    "dbt_lmlo": _dbt_regions,
}
TRUTH = {
    **{f"mg_{name.lower()}": (lambda seed, name=name: _truth(seed, name)) for name in ORDER[:3]},
    "mg_lmlo": lambda seed: _truth(seed, "LMLO", partner="mg_lmlo_processing"),
    "mg_lmlo_processing": lambda seed: _truth(seed, "LMLO", partner="mg_lmlo"),
    "dbt_lmlo": _dbt_truth,
}
