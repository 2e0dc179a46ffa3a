"""Ultrasound: an obstetric clip without calibration; stills whose regions say what a pixel is (PS3.3 C.8.5.5).

`truth` gives
    kidney    length in mm of "us_abdomen", between the two crosses; and the crosses, each (column, row)
    spacing   {region: (what a column is, what a row is)}: mm, or s and cm/s for the spectrum of "us_carotid"
    regions   {region: (first column, first row, last column, last row)}
    peak, end peak systolic and end diastolic velocity, cm/s
    rate      heart beats a minute
    story     (role, procedure) when the patient is one of the story's people
"""

import numpy as np

from coursekit.hospital.draws import Draws
from coursekit.hospital.images import common, drawing

US_STORAGE = "1.2.840.10008.5.1.4.1.1.6.1"
US_MULTIFRAME_STORAGE = "1.2.840.10008.5.1.4.1.1.3.1"


def _us_ob_cine(seed):
    draws = Draws(seed, "us_ob_cine")
    rows, columns, frames = (240, 320, 24) if seed == 0 else (
        (240, 320, 240, 288)[draws.one(0, 3)], (320, 352, 400)[draws.one(0, 2)], draws.one(16, 30))
    x, y = drawing.grid(rows, columns, 1.0)
    x, y = x * 320 / columns, (y + rows / 2) * 240 / rows
    from_probe = np.sqrt(x * x + (y + 40) ** 2)
    sector = (from_probe > 62) & (from_probe < 262) & (np.abs(x) < 0.72 * (y + 40))
    speckle = drawing.noise(draws, x.shape, 60, 1) + 2 * (drawing.clouds(draws, x.shape, 2) * 40 - 20).astype(np.int64)
    clip = np.zeros((frames, rows, columns, 3), np.uint8)
    for frame in range(frames):
        beat = abs((frame % 8) - 4) / 4
        skull = drawing.ellipse(x, y, -14, 138, 62, 46, (0.966, 0.259))
        grey = 62 + 46 * drawing.soft(skull, 1.05, 1.3) - 40 * (1 - drawing.soft(skull, 0.85, 0.95))
        grey = grey + 150 * np.clip(1 - np.abs(skull - 1) * 14, 0, 1)
        grey = grey + 60 * (np.abs(x + 14 + (y - 138) * 3.7) < 6) * (skull < 0.86)
        heart = drawing.ellipse(x, y, 78, 172, 26 - 4 * beat, 22 - 4 * beat)
        grey = np.where(heart < 1, 28, grey)
        grey = grey + np.roll(speckle, frame % 3, axis=1) * (0.35 + grey / 220)
        grey = np.where(sector, np.clip(grey * (1 - drawing.soft(from_probe, 200, 270) * 0.5), 0, 235), 0)
        clip[frame] = grey[..., None].astype(np.uint8)
        flow = sector & (drawing.ellipse(x, y, 78, 172, 15, 12) < 0.6 + 0.4 * beat)
        clip[frame, flow] = (200, 40, 30) if beat > 0.5 else (30, 60, 205)

    study = f"{common.ROOT}.200.7.2504043{seed % 10}" if seed else f"{common.ROOT}.200.7.25040431"
    ds = common.dataset(US_MULTIFRAME_STORAGE, (study, f"{study}.1", f"{study}.1.3"), "US_OB1")
    if seed == 0:
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "ROSSI^GIULIA", "HV131557", "19930622", "F"
    else:
        common.person(draws, ds, "F")
    ds.IssuerOfPatientID = "HVGH"
    common.when(ds, "20250404", "101500", "101612", "101940")
    ds.AccessionNumber = "A2504040131" if seed == 0 else f"A25040401{draws.one(12, 98)}"
    ds.Modality = "US"
    ds.Manufacturer, ds.ManufacturerModelName = "Sondar", "Aurora OB"
    ds.StudyDescription, ds.SeriesDescription = "US obstetric, second trimester", "Four-chamber view"
    ds.StudyID, ds.SeriesNumber, ds.InstanceNumber = "40431", 1, 3
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.BodyPartExamined = "ABDOMEN"
    ds.PatientOrientation = ""
    ds.NumberOfFrames = frames
    ds.FrameIncrementPointer = 0x00181063
    ds.FrameTime = "40"
    ds.LossyImageCompression = "00"
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    ds.UltrasoundColorDataPresent = 1
    common.encoding(ds, clip, 8)
    return ds


# --- stills with calibrated regions

CM, SECONDS, CM_PER_SECOND = 3, 4, 7  # Physical Units (PS3.3 C.8.5.5.1.15)
TISSUE, COLOUR_FLOW, SPECTRUM = (1, 1), (1, 2), (3, 3)  # Region Spatial Format and Data Type


def _region(kind, place, units, deltas, reference=None, flags=0, **more):
    """An item of the Sequence of Ultrasound Regions.

    place     : first column, first row, last column, last row
    units     : what a step to the right is measured in, and a step down
    deltas    : how much a step is; a row's is negative where values grow upwards
    reference : column and row, counted from the region's corner, at which both values are 0
    """
    item = common.item(
        RegionSpatialFormat=kind[0], RegionDataType=kind[1], RegionFlags=flags,
        RegionLocationMinX0=place[0], RegionLocationMinY0=place[1], RegionLocationMaxX1=place[2], RegionLocationMaxY1=place[3],
        PhysicalUnitsXDirection=units[0], PhysicalUnitsYDirection=units[1],
        PhysicalDeltaX=deltas[0], PhysicalDeltaY=deltas[1], **more)
    if reference:
        item.ReferencePixelX0, item.ReferencePixelY0 = reference
        item.ReferencePixelPhysicalValueX = item.ReferencePixelPhysicalValueY = 0.0
    return item


def _speckle(draws, shape, along, grain):
    """The strength of echoes from fine tissue, mean 1: Rayleigh distributed, smeared sideways over `along` pixels."""
    total = 0.0
    for _ in range(2):
        part = drawing.blur(np.round(drawing.normal(draws, shape) * 4096).astype(np.int64), grain)
        smeared = sum(np.roll(part, step, axis=1) for step in range(-along, along + 1)) / (4096.0 * np.sqrt(2 * along + 1))
        total = total + smeared * smeared * (2 * grain + 1) ** 2
    return np.sqrt(total) / 1.2533141373155003


def _still(sop_class, device, seed, date, time, number, description, series, part):
    study, accession = common.ordered(date, number)
    ds = common.dataset(sop_class, (study, f"{study}.1", f"{study}.1.1"), device)
    ds.AccessionNumber, ds.StudyID = accession, f"{date[3:]}{number}"
    common.when(ds, date, time, time, common.clock_time(time, 204))
    ds.Modality = "US"
    ds.StudyDescription, ds.SeriesDescription, ds.BodyPartExamined = description, series, part
    ds.SeriesNumber, ds.InstanceNumber = 1, 1
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.PatientOrientation = ""
    ds.LossyImageCompression, ds.BurnedInAnnotation = "00", "NO"
    return ds


class _Abdomen:
    ROWS, COLUMNS, SPACING, TOP, PROBE, DEPTH = 480, 640, 0.4, 40, 60.0, 160.0  # px, px, mm, px, mm, mm

    def __init__(self, seed):
        draws = Draws(seed, "us_abdomen")
        self.length = 106 if seed == 0 else draws.one(94, 116)  # of the kidney, mm
        self.stone = 4.5 if seed == 0 else draws.one(30, 60) / 10
        self.draws = draws

    def crosses(self):
        """The ends of the kidney as (column, row)."""
        return [(round((self.COLUMNS - 1) / 2 + (34 + end * self.length / 2 * 0.96) / self.SPACING),
                 round(self.TOP + (97 - end * self.length / 2 * 0.28) / self.SPACING)) for end in (-1, 1)]


def _abdomen_echoes(scene):
    x = np.broadcast_to((np.arange(scene.COLUMNS) - (scene.COLUMNS - 1) / 2) * scene.SPACING, (scene.ROWS, scene.COLUMNS))
    y = np.broadcast_to(((np.arange(scene.ROWS) - scene.TOP) * scene.SPACING)[:, None], x.shape)
    away = np.sqrt(x * x + (y + scene.PROBE) ** 2)
    depth = away - scene.PROBE
    beam = x / (y + scene.PROBE)
    clouds, fine = drawing.clouds(scene.draws, x.shape, 12), drawing.clouds(scene.draws, x.shape, 4)
    echo = 80 + 16 * (clouds - 0.5)  # liver
    # Vessels of the liver: dark, the larger with bright walls.
    for x0, y0, x1, y1, radius in ((-6, 78, 24, 60, 4.0), (24, 60, 44, 50, 3.0), (-76, 78, -36, 98, 3.4), (14, 40, 52, 30, 2.2)):
        t = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2), 0, 1)
        wall = np.sqrt((x - x0 - t * (x1 - x0)) ** 2 + (y - y0 - t * (y1 - y0)) ** 2) / radius + 0.7 * (fine - 0.5)
        echo = np.where(wall < 1.45, 126, echo)
        echo = np.where(wall < 1, 12, echo)
    # Right kidney: dark cortex, bright sinus.
    half = scene.length / 2
    kidney = drawing.ellipse(x, y, 34, 97, half, 25, (0.96, -0.28))
    echo = np.where(kidney < 1.07, 150, echo)
    echo = np.where(kidney < 1, 52 + 12 * (fine - 0.5), echo)
    sinus = drawing.ellipse(x, y, 34, 97, half * 0.62, 9.5 + 5 * fine, (0.96, -0.28))
    echo = np.where(sinus < 1, 150 + 40 * (fine - 0.5), echo)
    # Behind it muscle, behind the liver the diaphragm.
    psoas = (y > 124 - 0.27 * x) & (kidney > 1.05)
    echo = np.where(psoas, 58 + 22 * ((depth + 6 * fine) % 7 < 2), echo)
    dome = drawing.ellipse(x, y, -10, 20, 128, 122)
    echo = np.where((dome > 1) & (x < 6), 62, echo)
    echo = np.where((np.abs(dome - 1) < 0.014) & (x < 6), 205, echo)
    # Gallbladder: no echo, bright behind; a stone: bright, dark behind.
    bladder = drawing.ellipse(x, y, -44, 58, 27, 12.5, (0.94, 0.342))
    echo = np.where(bladder < 1.10, 132, echo)
    echo = np.where(bladder < 1, 5, echo)
    echo = echo * (1 + 0.45 * (bladder > 1) * (y > 62) * (1 - drawing.soft(np.abs(beam + 0.37), 0.10, 0.17)))
    stone = np.sqrt((x + 50) ** 2 + (y - 64) ** 2) / scene.stone
    shadow = (np.abs(beam + 50 / 124.0) < scene.stone / 124.0) & (y > 64)
    echo = np.where(shadow, 9, echo)
    echo = np.where((stone < 1) & (y < 64 + 0.25 * scene.stone), 235, echo)
    # Skin, fat, muscle of the abdominal wall.
    echo = np.where(depth < 24, 64 + 55 * ((depth + 3 * clouds) % 6 < 1.6), echo)
    echo = np.where(depth < 10, 116, echo)
    echo = np.where(depth < 2.5, 200, echo)
    speckle = _speckle(scene.draws, x.shape, 3, 1)
    grey = echo * (0.52 + 0.48 * speckle) * (1.06 - 0.30 * drawing.soft(depth, 70, 165))
    field = (depth > 0) & (depth < scene.DEPTH) & (np.abs(beam) < 0.649)
    return np.where(field, np.clip(grey, 0, 250), 0).astype(np.uint8)


def _cross(picture, column, row):
    """A bright cross on a dark ground."""
    for half, reach, value in ((2, 10, 0), (0, 8, 255)):
        picture[row - reach : row + reach + 1, column - half : column + half + 1] = value
        picture[row - half : row + half + 1, column - reach : column + reach + 1] = value


def _us_abdomen(seed):
    scene = _Abdomen(seed)
    picture = _abdomen_echoes(scene)
    for column, row in scene.crosses():
        _cross(picture, column, row)
    ds = _still(US_STORAGE, "US_OB1", seed, "20250325", "131009", 71, "US ABDOMEN", "Right kidney, gallbladder", "ABDOMEN")
    common.story_person(ds, seed, "P4a")
    ds.Manufacturer, ds.ManufacturerModelName = "Sondar", "Aurora OB"
    ds.UltrasoundColorDataPresent = 0
    cm = scene.SPACING / 10
    ds.SequenceOfUltrasoundRegions = [_region(
        TISSUE, (0, scene.TOP, scene.COLUMNS - 1, scene.ROWS - 1), (CM, CM), (cm, cm), (scene.COLUMNS // 2, 0),
        TransducerFrequency=3500)]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    common.window(ds, 128, 256)
    common.encoding(ds, picture, 8)
    return ds


def _us_abdomen_truth(seed):
    scene = _Abdomen(seed)
    return {"kidney": scene.length, "crosses": scene.crosses(), "spacing": {"tissue": (scene.SPACING, scene.SPACING)},
            "regions": {"tissue": (0, scene.TOP, scene.COLUMNS - 1, scene.ROWS - 1)}, "story": ("P4a", "USABD")}


class _Carotid:
    ROWS, COLUMNS = 480, 640
    TISSUE_PLACE, TISSUE_MM = (120, 12, 519, 291), 0.1  # 40 by 28 mm
    FLOW_PLACE = (220, 92, 439, 231)
    SPECTRUM_PLACE, SECONDS, SPEED = (40, 310, 599, 469), 0.008, 1.0  # s a column, cm/s a row
    BASELINE = 125  # row in the spectrum's region at which the velocity is 0

    def __init__(self, seed):
        draws = Draws(seed, "us_carotid")
        self.draws = draws
        self.peak = 92 if seed == 0 else draws.one(70, 116)
        self.end = 28 if seed == 0 else draws.one(18, 36)
        self.beat = 110 if seed == 0 else draws.one(95, 130)  # columns from beat to beat

    def velocity(self):
        """The highest velocity at each column of the spectrum, cm/s."""
        columns = self.SPECTRUM_PLACE[2] - self.SPECTRUM_PLACE[0] + 1
        phase = ((np.arange(columns) + 60) % self.beat) / self.beat
        rise = drawing.soft(phase, 0.0, 0.11)
        fall = drawing.soft(phase, 0.13, 0.36)
        notch = drawing.soft(phase, 0.33, 0.38) * (1 - drawing.soft(phase, 0.40, 0.50))
        run_off = 1 - 0.45 * drawing.soft(phase, 0.36, 1.0)
        tall = self.peak - self.end
        late = self.end + 0.35 * tall * (run_off - 0.55) / 0.45
        return self.end + (self.peak - self.end) * rise * (1 - fall) + fall * (late - self.end) + 5 * notch


def _carotid_tissue(scene, picture):
    left, top, right, bottom = scene.TISSUE_PLACE
    rows, columns = bottom - top + 1, right - left + 1
    x = np.broadcast_to(np.arange(columns) * scene.TISSUE_MM, (rows, columns))
    y = np.broadcast_to((np.arange(rows) * scene.TISSUE_MM)[:, None], (rows, columns))
    clouds, fine = drawing.clouds(scene.draws, x.shape, 14), drawing.clouds(scene.draws, x.shape, 4)
    middle = 15.0 + 0.055 * (x - 20)
    off = np.abs(y - middle)
    echo = 76 + 60 * (clouds - 0.5)
    echo = np.where(y < 7 + clouds, 62 + 60 * ((y + 1.2 * fine) % 1.6 < 0.4), echo)
    echo = np.where(y < 2.2, 130, echo)
    radius = 3.1 - 0.5 * drawing.soft(x, 24, 36)
    echo = np.where(off < radius + 1.1, 66, echo)  # adventitia outside, a bright line inside
    echo = np.where(np.abs(off - radius - 0.85) < 0.35, 190, echo)
    echo = np.where(np.abs(off - radius) < 0.16, 150, echo)
    echo = np.where(off < radius - 0.1, 8, echo)
    plaque = (y > middle) & (drawing.ellipse(x, y, 31, 15.6 + 2.7, 5.5, 1.3) < 1)
    echo = np.where(plaque & (off < radius + 0.4), 118, echo)
    speckle = _speckle(scene.draws, x.shape, 3, 1)
    grey = np.clip(echo * (0.40 + 0.60 * speckle) * (1.05 - 0.25 * y / 28), 0, 245)
    picture[top : bottom + 1, left : right + 1] = grey.astype(np.uint8)[..., None]
    # Colour where blood moves, inside the colour box; faster in the middle of the vessel.
    box = scene.FLOW_PLACE
    lean = (np.arange(rows)[:, None] + top - box[1]) * 0.25
    column = np.arange(columns)[None, :] + left + lean
    row = np.arange(rows)[:, None] + top
    inside = (column > box[0] + 34) & (column < box[2] - 1) & (row > box[1] + 1) & (row < box[3] - 1)
    flow = inside & (off < radius - 0.25) & ~plaque
    speed = np.clip(1 - (off / radius) ** 2, 0, 1) * (0.8 + 0.4 * fine)
    red = np.stack([120 + 130 * speed, 190 * np.clip(speed - 0.45, 0, 1), 20 + 0 * speed], axis=-1)
    area = picture[top : bottom + 1, left : right + 1]
    area[flow] = np.clip(red, 0, 255).astype(np.uint8)[flow]
    edge = (np.abs(column - box[0] - 34) < 0.7) | (np.abs(column - box[2] + 1) < 0.7)
    edge &= (row >= box[1]) & (row <= box[3])
    edge |= ((row == box[1]) | (row == box[3])) & (column > box[0] + 34) & (column < box[2])
    area[edge] = (230, 230, 120)


def _carotid_spectrum(scene, picture):
    left, top, right, bottom = scene.SPECTRUM_PLACE
    highest = scene.velocity()[None, :]
    speed = (scene.BASELINE - np.arange(bottom - top + 1))[:, None] * scene.SPEED
    low = 0.30 * highest
    inside = (speed <= highest) & (speed > 1)
    weight = drawing.soft(speed / highest, 0.0, 1.0) * (0.35 + 0.65 * (speed > low))
    speckle = _speckle(scene.draws, inside.shape, 1, 1)
    grey = np.where(inside, 40 + 170 * weight * speckle, 7 * speckle)
    area = picture[top : bottom + 1, left : right + 1]
    area[:] = np.clip(grey, 0, 245).astype(np.uint8)[..., None]
    area[scene.BASELINE] = (70, 160, 70)
    for mark in range(-20, 121, 20):
        row = scene.BASELINE - mark
        if 0 <= row < area.shape[0]:
            picture[top + row, right + 2 : right + 10] = 220
    for second in range(5):
        picture[bottom + 2 : bottom + 7, left + round(second / scene.SECONDS)] = 220


def _us_carotid(seed):
    scene = _Carotid(seed)
    picture = np.zeros((scene.ROWS, scene.COLUMNS, 3), np.uint8)
    _carotid_tissue(scene, picture)
    _carotid_spectrum(scene, picture)
    for step in range(60):  # the bar that says which colour is which velocity
        shade = abs(step - 29.5) / 29.5
        picture[92 + 2 * step : 94 + 2 * step, 560:572] = (120 + 130 * shade, 190 * max(shade - 0.45, 0), 20) if step < 30 else (
            20, 190 * max(shade - 0.45, 0), 120 + 130 * shade)
    ds = _still(US_STORAGE, "US_ECHO1", seed, "20250403", "142210", 72, "US CAROTID DUPLEX", "Right internal carotid", "NECK")
    common.person(Draws(seed, "us_carotid person"), ds, "M")
    ds.IssuerOfPatientID = "HVGH"
    ds.Manufacturer, ds.ManufacturerModelName = "Sondar", "Aurora V"
    ds.UltrasoundColorDataPresent = 1
    cm = scene.TISSUE_MM / 10
    ds.SequenceOfUltrasoundRegions = [
        _region(TISSUE, scene.TISSUE_PLACE, (CM, CM), (cm, cm), (200, 0), TransducerFrequency=7500),
        _region(COLOUR_FLOW, scene.FLOW_PLACE, (CM, CM), (cm, cm), TransducerFrequency=5000, PulseRepetitionFrequency=4500),
        _region(SPECTRUM, scene.SPECTRUM_PLACE, (SECONDS, CM_PER_SECOND), (scene.SECONDS, -scene.SPEED), (0, scene.BASELINE),
                flags=4, TransducerFrequency=5000, PulseRepetitionFrequency=8000, DopplerCorrectionAngle=60.0),
    ]
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    common.encoding(ds, picture[None], 8)
    return ds


def _us_carotid_truth(seed):
    scene = _Carotid(seed)
    return {
        "peak": scene.peak, "end": scene.end, "rate": round(60 / (scene.beat * scene.SECONDS), 1),
        "spacing": {"tissue": (scene.TISSUE_MM, scene.TISSUE_MM), "colour": (scene.TISSUE_MM, scene.TISSUE_MM),
                    "spectrum": (scene.SECONDS, scene.SPEED)},
        "regions": {"tissue": scene.TISSUE_PLACE, "colour": scene.FLOW_PLACE, "spectrum": scene.SPECTRUM_PLACE},
    }


IMAGES = {"us_ob_cine": _us_ob_cine, "us_abdomen": _us_abdomen, "us_carotid": _us_carotid}
TRUTH = {"us_abdomen": _us_abdomen_truth, "us_carotid": _us_carotid_truth}
