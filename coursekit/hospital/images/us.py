"""Ultrasound: an obstetric clip without calibration; stills whose regions say what a pixel is (PS3.3 C.8.5.5).

`truth` gives
    kidney    length in mm of "us_abdomen", between the two crosses; and the crosses, each (column, row)
    spacing   {region: (what a column is, what a row is)}: mm, or s and cm/s for the spectrum of "us_carotid"
    regions   {region: (first column, first row, last column, last row)}
    peak, end peak systolic and end diastolic velocity, cm/s
    rate      heart beats a minute
    story     (role, procedure) when the patient is one of the story's people
"""

import math
from functools import lru_cache

import numpy as np

from coursekit.hospital.draws import Draws
from coursekit.hospital.images import common, drawing, projection

US_STORAGE = "1.2.840.10008.5.1.4.1.1.6.1"
US_MULTIFRAME_STORAGE = "1.2.840.10008.5.1.4.1.1.3.1"
NEPERS = 0.11512925464970229  # in a dB: a twentieth of the natural logarithm of 10


# --- what a curved array makes of tissue


class _Sector:
    """A curved array and its picture. Lengths in mm, x to the right and y down from the middle of the probe's face.

    rows, columns, spacing : of the picture; the face begins at row `top`, in its middle
    radius, depth          : of the face, and how deep the beams reach
    wide                   : tangent of the outermost beam's angle
    x, y, depth            : of each sample along each beam: arrays (samples, beams)
    """

    def __init__(self, rows, columns, spacing, top, radius, depth, wide):
        self.step = 0.68 * spacing
        samples, beams = int(depth / self.step), int(0.54 * columns)
        edge = _turn(wide)
        turn = (np.arange(beams) - (beams - 1) / 2) * (2 * edge / (beams - 1))
        tangent = 2 * turn / (1 + np.sqrt(1 - 1.12 * turn * turn))
        depths = ((np.arange(samples) + 0.5) * self.step)[:, None]
        down = (radius + depths) / np.sqrt(1 + tangent * tangent)
        self.x, self.y = down * tangent, down - radius
        self.depth = np.broadcast_to(depths, self.x.shape)
        # Where each pixel lies among the samples.
        x = ((np.arange(columns) - (columns - 1) / 2) * spacing)[None, :]
        y = ((np.arange(rows) - top) * spacing + radius)[:, None]
        away = np.sqrt(x * x + y * y) - radius
        tangent = x / np.maximum(y, 0.1)
        self.field = (away > 0) & (away < depth) & (np.abs(tangent) < wide)
        sample = np.clip(away / self.step - 0.5, 0, samples - 1.001)[self.field]
        beam = np.clip((_turn(tangent) + edge) * ((beams - 1) / (2 * edge)), 0, beams - 1.001)[self.field]
        self._first = sample.astype(np.int64) * beams + beam.astype(np.int64)
        self._parts = sample % 1, beam % 1

    def scan(self, values):
        """The picture of values in beam coordinates: 0 outside the field."""
        flat, (a, b), width = values.ravel(), self._parts, values.shape[1]
        first = self._first
        upper = flat[first] * (1 - b) + flat[first + 1] * b
        lower = flat[first + width] * (1 - b) + flat[first + width + 1] * b
        picture = np.zeros(self.field.shape)
        picture[self.field] = upper * (1 - a) + lower * a
        return picture


def _turn(tangent):
    """The angle of a tangent to within 0.005, by a fraction whose inverse needs a square root only: beams lie evenly over it."""
    return tangent / (1 + 0.28 * tangent * tangent)


def _smeared(values, axis, times, reach=1):
    """Values averaged, some times, with those `reach` before and after along an axis: half of each, a quarter of either."""
    for _ in range(times):
        out = 0.5 * values
        if axis == 0:
            out[reach:] += 0.25 * values[:-reach]
            out[:-reach] += 0.25 * values[reach:]
        else:
            out[:, reach:] += 0.25 * values[:, :-reach]
            out[:, :-reach] += 0.25 * values[:, reach:]
        values = out
    return values


def _scatterers(draws, shape):
    """Fine tissue: the two parts of a complex echo, each of standard deviation 1."""
    return drawing.normal(draws, (2, *shape))


def _echo(scatterers, strength, bright, loss, sector, focus):
    """The strength of the echoes that come back, mean about 1 for tissue of `strength` 1: an array in beam coordinates.

    scatterers : from `_scatterers`; the pulse covers many, whose echoes add up or cancel: speckle
    strength   : of scattering, linear
    bright     : of smooth surfaces, which send back one echo
    loss       : dB for each mm, beyond what the device makes up for; fluid has less, bone and stone more
    focus      : mm; nearer and deeper the beam is wider
    """
    total = np.cumsum(np.round(loss * (sector.step * 4096)).astype(np.int64), axis=0)
    through = drawing.exp(np.clip(total / 4096, -16, 80) * -NEPERS)
    power = 0.0
    broad = 0.25 + 0.75 * drawing.soft(np.abs(sector.depth - focus) / focus, 0.1, 1.4)
    for part in (0, 1):
        pulse = _smeared(scatterers[part] * strength + (bright if part == 0 else 0), 0, 2)
        sharp = _smeared(pulse, 1, 2)
        wide = _smeared(sharp, 1, 2, 2)
        beam = 2.1 * sharp * (1 - broad) + 3.1 * wide * broad
        power = power + beam * beam
    return np.sqrt(power) * through


def _compressed(echo, level, scale):
    """Grey levels, as floats: `level` for an echo of 1 and `scale` more for each dB."""
    return np.clip(level + scale * _in_decibels()[np.clip(np.round(echo * 256), 0, 16383).astype(np.int64)], 0, 250)


@lru_cache(maxsize=1)
def _in_decibels():
    """The dB of an echo of 0, 1/256, 2/256 ...: rounded, so that the last bit of a machine's logarithm does not matter."""
    return np.array([round(20480 * math.log10(max(value, 0.5) / 256)) for value in range(16384)]) / 1024


def _surface(sector, stuff):
    """Echoes of smooth borders: how much `stuff` changes along the beam, and so nothing where the beam only grazes one."""
    change = np.abs(np.diff(stuff, axis=0, prepend=stuff[:1]))
    return _smeared(change, 0, 1)


def _decibels(value):
    """The factor of an echo's strength, from dB."""
    return drawing.exp(np.asarray(value, dtype=float) * NEPERS)


# --- the obstetric clip: a fetal chest cut across, the heart's four chambers, colour where blood runs


class _FourChambers:
    """The scene: abdominal wall, womb, placenta in front, and the fetus with its spine to the lower left, its heart's tip up."""

    CENTRE, APEX, BACK = (2.0, 50.0), (-0.259, -0.966), (-0.5, 0.866)  # of the chest, mm; directions of heart and spine
    BOX = (31.0, 66.0, -0.27, 0.25)  # colour box: mm deep, and along the beams' angle

    def __init__(self, seed, rows, columns, draws):
        spacing = 0.385 * max(320 / columns, 240 / rows)
        self.sector = sector = _Sector(rows, columns, spacing, round(6 / spacing), 48.0, 85.0, 0.50)
        self.shape = sector.x.shape
        self.beat = 10 if seed == 0 else draws.one(9, 11)  # frames
        self.size = 1.0 if seed == 0 else draws.one(93, 104) / 100
        self.placenta = 15.0 if seed == 0 else draws.one(12, 17)
        self.bend, self.fine = (2 * (drawing.clouds(draws, self.shape, radius) - 0.5) for radius in (22, 6))
        self.mother, self.child = _scatterers(draws, self.shape), _scatterers(draws, self.shape)
        self.turn = _turn(sector.x / (sector.y + 48.0))
        self.box = sector.scan(self._within(*self.BOX).astype(float)) > 0.5

    def _within(self, near, far, left, right):
        return (self.sector.depth > near) & (self.sector.depth < far) & (self.turn > left) & (self.turn < right)

    def squeeze(self, frame):
        """How far the ventricles have contracted in a frame, 0 to 1."""
        phase = (frame % self.beat) / self.beat
        return float(drawing.soft(phase, 0.0, 0.22) * (1 - drawing.soft(phase, 0.36, 0.56)))

    def filling(self, frame):
        """How fast blood runs into the ventricles in a frame, 0 to 1: early, and again when the atria contract."""
        phase = (frame % self.beat) / self.beat
        return float(max(1 - abs(phase - 0.62) / 0.14, 1.1 * (1 - abs(phase - 0.88) / 0.12), 0.0))


def _womb(scene):
    """Scattering in dB, stuff (for echoes at its borders) and loss of all but the fetus."""
    x, y, depth = scene.sector.x, scene.sector.y, scene.sector.depth
    bend, fine, turn = scene.bend, scene.fine, scene.turn
    level, stuff, loss = np.full(scene.shape, -62.0), np.zeros(scene.shape), np.full(scene.shape, -0.16)

    def fill(inside, decibels, matter):
        level[inside], stuff[inside], loss[inside] = decibels, matter, 0.0

    layer = depth + 0.9 * bend + 0.02 * x
    under = scene.placenta * (1 - drawing.soft(turn + 0.05 * bend, 0.02, 0.36)) + 0.8 * bend + 0.4 * fine
    back = 77 + 2.5 * bend - 14 * turn * turn
    fill(layer < 17.5 + under, -1.0, 0.5)  # placenta
    fill(layer < 17.0, -8.0, 0.40)  # muscle of the womb
    fill(layer < 12.2, -3.0, 0.45)
    fill(layer < 11.6, -10.0, 0.36)  # muscle of the wall
    fill(layer < 8.0, 2.0, 0.52)
    fill(layer < 7.5, -7.0, 0.34)  # fat
    stripes = np.abs((layer + 0.5 * fine) / 2.1 % 1.0 - 0.5) < 0.13
    level[stripes & (layer < 7.5)] += 8
    fill(depth < 1.3, 6.0, 0.7)
    fill(depth > back, -5.0, 0.45)
    level[depth > back + 5] = -2.0
    lakes = scene.bend * scene.fine
    level[(layer > 18.5) & (layer < 16 + under) & (lakes > 0.42)] = -14.0  # blood between the villi
    # A loop of the cord, cut across; an arm with its bone.
    out = drawing.ellipse(x, y, 37, 56, 6.4, 5.2, (0.8, 0.6)) + 0.06 * fine
    fill(out < 1, -9.0, 0.30)
    for cx, cy, radius in ((38.6, 57.6, 2.3), (34.2, 56.6, 1.2), (37.6, 52.9, 1.25)):
        vessel = drawing.ellipse(x, y, cx, cy, radius, radius)
        fill(vessel < 1.3, 3.0, 0.6)
        fill(vessel < 0.92, -60.0, 0.0)
    arm = drawing.ellipse(x, y, -35, 52, 8.2, 6.4, (0.9, -0.436)) + 0.08 * fine
    fill(arm < 1, -6.0, 0.42)
    bone = drawing.ellipse(x, y, -35, 52, 2.0, 1.7)
    fill(bone < 1, 14.0, 2.6)
    loss[bone < 1] = 4.5
    return level, stuff, loss


def _fetus(scene, maps, frame):
    """Copies of `_womb`'s maps with the fetal chest of one frame in them; where it is; how fast blood runs towards the probe."""
    level, stuff, loss = (values.copy() for values in maps)
    sector, bend, fine = scene.sector, scene.bend, scene.fine
    sway = drawing.soft(np.abs((frame % 24) - 12.0), 0, 12)
    x = (sector.x - scene.CENTRE[0] - 0.9 * float(sway)) / scene.size
    y = (sector.y - scene.CENTRE[1] - 0.5 * float(sway)) / scene.size
    back, left = scene.BACK, (-scene.BACK[1], scene.BACK[0])
    behind, side = x * back[0] + y * back[1], x * left[0] + y * left[1]

    def fill(inside, decibels, matter, attenuation=0.0):
        level[inside], stuff[inside], loss[inside] = decibels, matter, attenuation

    chest = drawing.ellipse(side, behind, 0, 0, 24.0, 22.0) + 0.025 * bend + 0.012 * fine
    fill(chest < 1.0, -6.0, 0.45)
    inner = drawing.ellipse(side, behind, 0, -0.6, 20.0, 18.4) + 0.02 * bend
    fill(inner < 1.0, 1.5 + 1.5 * fine[inner < 1.0], 0.42)  # lungs
    # A rib on either side, from the spine forwards; the spine's three centres of bone.
    rib = (np.abs(inner - 1.075 - 0.01 * fine) < 0.030) & (behind > -9) & (behind < 15)
    fill(rib, 13.0, 2.4, 1.2)
    for at, radius in (((0.0, 16.6), 2.5), ((-4.6, 20.6), 1.5), ((4.6, 20.6), 1.5)):
        place = drawing.ellipse(side, behind, *at, radius, 0.85 * radius) + 0.12 * fine
        fill(place < 1, 18.0, 4.0, 4.0)
    fill(drawing.ellipse(side, behind, 0, 20.4, 2.4, 1.7) < 1, -16.0, 0.3)
    aorta = drawing.ellipse(side, behind, 3.6, 10.6, 2.3, 2.3)
    fill(aorta < 1.28, 0.0, 0.55)
    fill(aorta < 1, -58.0, 0.1, -0.1)
    return level, stuff, loss, chest < 1.0, _heart(scene, fill, x, y, frame)


def _heart(scene, fill, x, y, frame):
    """Draw the heart with `fill`: walls, chambers, valves; returns how fast blood runs towards the probe, -1 to 1."""
    apex, fine = scene.APEX, scene.fine
    tight, inflow = scene.squeeze(frame), scene.filling(frame)
    x, y = x + 1.4, y + 3.2
    up, left = x * apex[0] + y * apex[1], x * apex[1] - y * apex[0]
    egg = drawing.ellipse(up, left * (1 + 0.020 * (up + 2)), 0, 0, 15.0 - 0.5 * tight, 12.4 - 0.9 * tight) + 0.02 * fine
    fill(egg < 1.0, 2.0, 0.75)
    fill(egg < 0.955, -11.5 + 1.5 * fine[egg < 0.955], 0.30)
    base = -1.6 + 1.5 * tight
    blood = np.full(x.shape, False)
    for cu, cv, a, b, tilt in ((4.8 + base * 0.4, 5.0, 8.0 - 1.1 * tight, 4.3 - 1.7 * tight, (0.985, -0.174)),
                               (4.2 + base * 0.4, -5.1, 7.2 - 1.0 * tight, 4.5 - 1.7 * tight, (0.980, 0.199)),
                               (-6.6 + 0.3 * base, 4.6, 4.9 + 0.5 * tight, 4.2 + 0.3 * tight, (1.0, 0.0)),
                               (-6.5 + 0.3 * base, -4.9, 5.2 + 0.5 * tight, 4.3 + 0.3 * tight, (1.0, 0.0))):
        blood |= drawing.ellipse(up, left, cu, cv, a, b, tilt) + 0.07 * fine < 1
    # Between atrium and ventricle the way is open; flaps hang in it, wide apart while it fills.
    for hand in (1, -1):
        ring = (np.abs(up - base) < 2.6) & (np.abs(left - 4.9 * hand) < 3.3)
        blood |= ring
    fill(blood, -60.0, 0.0, -0.1)
    oval = (np.abs(left + 0.25 * fine) < 0.55) & (up < base) & (up > -10.5) & (np.abs(up + 6.4) > 1.5)
    fill(oval & (egg < 0.9), 0.0, 0.6)
    opened = min(1.6 * inflow, 1.0) * (1 - tight)
    for hand, lower in ((1, 0.0), (-1, 0.7)):
        for hinge in (1.2, 8.6):
            tip = (base + lower + 0.5 + 3.6 * opened, hand * (hinge + (4.9 - hinge) * (1 - 0.72 * opened)))
            flap = _from_line(up, left, (base + lower, hand * hinge), tip) < 0.42
            fill(flap, 2.0, 0.8)
    fill(_from_line(up, left, (6.6, -1.6), (5.4, -6.2)) < 0.5, -2.0, 0.55)  # the moderator band of the right ventricle
    speed = np.zeros(x.shape)
    for hand in (1, -1):
        jet = drawing.ellipse(up, left, 1.2 + 1.5 * inflow, hand * 4.9, 8.5, 3.0)
        speed = np.maximum(speed, inflow * np.clip(1.25 - jet, 0, 1))
    out = drawing.ellipse(up, left, 3.2, 2.6, 6.4, 2.0, (0.96, 0.28))
    speed = speed - 0.9 * tight * np.clip(1.2 - out, 0, 1)
    out = drawing.ellipse(up, left, 3.4, -3.4, 5.2, 1.8, (0.96, -0.28))
    speed = speed - 0.7 * tight * np.clip(1.2 - out, 0, 1)
    return np.where(blood, speed, 0.0)


def _from_line(x, y, start, end):
    """How far each place is from the line between two points."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    t = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / (dx * dx + dy * dy), 0, 1)
    u, v = x - start[0] - t * dx, y - start[1] - t * dy
    return np.sqrt(u * u + v * v)


def _red_and_blue(speed):
    """The colours of speeds -1 to 1: red and yellow towards the probe, blue and light blue away from it."""
    shade = np.clip(np.abs(speed), 0, 1)
    strong, middle, weak = 110 + 140 * shade, 230 * np.clip(shade - 0.45, 0, 1), 16 + 0 * shade
    towards = (speed > 0)[..., None]
    return np.where(towards, np.stack([strong, middle, weak], axis=-1), np.stack([weak, middle, strong], axis=-1))


def _ob_clip(seed, draws, rows, columns, frames):
    scene = _FourChambers(seed, rows, columns, draws)
    sector, womb = scene.sector, _womb(scene)
    clip = np.zeros((frames, rows, columns, 3), np.uint8)
    edge = scene.box & ~(np.roll(scene.box, 1, 0) & np.roll(scene.box, -1, 0) & np.roll(scene.box, 1, 1) & np.roll(scene.box, -1, 1))
    haze = _scatterers(draws, scene.shape)
    grain = 0.15 + 1.0 * drawing.clouds(draws, scene.shape, 6) + 0.7 * drawing.clouds(draws, scene.shape, 2)
    bar = np.clip((rows // 3 - np.arange(rows)) / (rows // 4), -1.2, 1.2)[:, None] * np.ones(7)
    for frame in range(frames):
        level, stuff, loss, chest, speed = _fetus(scene, womb, frame)
        child = 0.8 * scene.child + 0.6 * np.roll(scene.child, -round(3 * scene.squeeze(frame)) - 5, axis=1)
        echo = _echo(np.where(chest, child, scene.mother), _decibels(level), 2.2 * _surface(sector, stuff), loss, sector, 48.0)
        noise = _smeared(np.roll(haze, 31 * frame, axis=2)[0], 0, 1) * 0.010 * (1 + sector.depth / 30)
        grey = sector.scan(_compressed(np.sqrt(echo * echo + noise * noise), 118, 4.1))
        picture = np.repeat(grey[..., None], 3, axis=2)
        swirl = np.roll(grain, 7 * frame, axis=0)
        flow = sector.scan(_smeared(_smeared(speed * swirl, 1, 3, 2), 0, 2, 2))
        amount = drawing.soft(np.abs(flow), 0.07, 0.22) * scene.box * (1 - drawing.soft(grey, 90, 150))
        picture = picture + (_red_and_blue(flow) - picture) * amount[..., None]
        picture[edge] = (150, 150, 96)
        picture[:, 5:12] = np.where((np.abs(bar) < 1.0)[..., None], _red_and_blue(bar), picture[:, 5:12])
        clip[frame] = np.clip(np.round(picture), 0, 255)
    return clip


def _us_ob_cine(seed):
    draws = Draws(seed, "us_ob_cine")
    rows, columns, frames = (240, 320, 24) if seed == 0 else (
        (240, 320, 240, 288)[draws.one(0, 3)], (320, 352, 400)[draws.one(0, 2)], draws.one(16, 30))
    clip = _ob_clip(seed, Draws(seed, "us_ob_cine echoes"), rows, columns, frames)
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
LOW_PRIORITY = 1  # bit 0 of Region Flags (PS3.3 C.8.5.5.1.3): where another region lies over this one. Bit 2 would be a scale in hertz


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
    """The picture without its marks, as grey levels. What is said in dB is relative to liver."""
    sector = _Sector(scene.ROWS, scene.COLUMNS, scene.SPACING, scene.TOP, scene.PROBE, scene.DEPTH, 0.649)
    shape, depth = sector.x.shape, sector.depth
    bend, fine = (2 * (drawing.clouds(scene.draws, shape, radius) - 0.5) for radius in (16, 5))
    x, y = sector.x + 1.6 * bend, sector.y + 0.8 * bend
    level, stuff, loss = np.zeros(shape) + 1.4 * bend, np.full(shape, 0.50), np.zeros(shape)

    def fill(inside, decibels, matter, attenuation=0.0):
        level[inside], stuff[inside], loss[inside] = decibels, matter, attenuation

    # Vessels of the liver: branches of the portal vein with bright walls, hepatic veins without.
    for line, radius, wall in (([(-14, 74), (6, 68), (26, 58), (48, 52)], 4.4, 1.8), ([(12, 66), (30, 44), (54, 34)], 2.6, 1.2),
                               ([(-84, 66), (-66, 84), (-44, 104)], 3.6, 0.0), ([(-34, 36), (-52, 34), (-74, 42)], 2.4, 1.2),
                               ([(-10, 110), (-24, 98), (-34, 90)], 4.2, 0.0)):
        points = projection.rounded([(float(a), float(b)) for a, b in line])
        ways = [_from_line(x, y, one, other) / (radius * (1 - 0.5 * i / len(points)))
                for i, (one, other) in enumerate(zip(points, points[1:], strict=False))]
        away = np.minimum.reduce(ways) + 0.10 * fine
        if wall:
            fill(away < 1 + wall / radius, 6.0, 0.85)
        fill(away < 1, -42.0, 0.25, -0.10)
    # The right kidney: fat around it, cortex darker than liver, pyramids darker still, fat in the middle.
    half = scene.length / 2
    kidney = drawing.ellipse(sector.x, sector.y, 34, 97, half, 25, (0.96, -0.28)) + 0.012 * fine
    fill(kidney < 1.12, 5.0, 0.75)
    fill(kidney < 1, -5.5, 0.48)
    along = (sector.x - 34) * 0.96 - (sector.y - 97) * 0.28
    across = (sector.x - 34) * 0.28 + (sector.y - 97) * 0.96
    sinus = drawing.ellipse(along, across, 0, 0, half * 0.60, 10.0) + 0.22 * fine + 0.10 * bend
    for hand in (-1, 1):
        for place in range(-2, 3):
            at = (place * half * 0.27, hand * (15.5 - 1.4 * abs(place)))
            pyramid = drawing.ellipse(along, across, *at, 4.6, 5.4) + 0.14 * fine
            fill(pyramid < 1, -11.0, 0.40)
    fill(sinus < 1, 8.0 + 3.0 * fine[sinus < 1], 0.80)
    # Behind the kidney muscle, behind the liver the diaphragm and what it mirrors.
    behind = (kidney > 1.12) & (y > 126 - 0.27 * x)
    fill(behind, -5.0 + 7.0 * (np.abs((across + 2 * fine) / 5.5 % 1.0 - 0.5) < 0.16)[behind], 0.5)
    dome = drawing.ellipse(sector.x, sector.y, -10, 20, 128, 122) + 0.006 * bend
    fill((dome > 1.0) & (x < 8), -5.0, 0.5)
    fill((np.abs(dome - 1) < 0.009) & (x < 8), 17.0, 2.2, 0.3)
    # Gallbladder: no echo, less lost on the way through, so bright behind; a stone: bright, dark behind.
    bladder = drawing.ellipse(sector.x, sector.y, -44, 58, 27, 12.5, (0.94, 0.342)) + 0.030 * bend
    fill(bladder < 1.12, 4.0, 0.8)
    fill(bladder < 1, -48.0, 0.0, -0.32)
    stone = drawing.ellipse(sector.x, sector.y, -50, 64, scene.stone, 0.8 * scene.stone) + 0.12 * fine
    fill(stone < 1, 6.0, 3.2, 7.0)
    # The abdominal wall: skin, fat, muscle between its fasciae.
    layer = depth + 1.2 * bend
    fill(layer < 21, -4.0, 0.5)
    level[(np.abs(layer / 3.4 % 1.0 - 0.5) < 0.14) & (layer < 21)] += 8.0
    fill(layer < 11.5, 8.0, 0.9)
    fill(layer < 10.5, -3.0 + 5.0 * fine[layer < 10.5], 0.45)
    fill(depth < 2.2, 9.0, 0.8)
    strength, bright = _decibels(level), 2.6 * _surface(sector, stuff)
    looks = 0.0
    for _ in range(2):  # the device looks from two directions and adds: the speckle becomes finer
        echo = _echo(_scatterers(scene.draws, shape), strength, bright, loss, sector, 80.0)
        looks = looks + 0.5 * echo
    # Echoes that went astray fill shadows and vessels a little, the more the deeper.
    astray = _echo(_scatterers(scene.draws, shape), 0.045 + 0.06 * drawing.soft(depth, 50, 160), 0.0, np.zeros(shape), sector, 80.0)
    return sector.scan(_compressed(np.sqrt(looks * looks + astray * astray), 112, 4.3))


def _calipers(picture, crosses):
    """White crosses on a thin dark rim, and dots from one to the other."""
    (x0, y0), (x1, y1) = crosses
    steps = int(math.sqrt((x1 - x0) ** 2 + (y1 - y0) ** 2) / 10)
    for step in range(2, steps - 1):
        row, column = round(y0 + (y1 - y0) * step / steps), round(x0 + (x1 - x0) * step / steps)
        picture[row : row + 2, column : column + 2] = 235
    for column, row in crosses:
        for half, reach, value in ((1, 9, 0), (0, 8, 255)):
            picture[row - reach : row + reach + 1, column - half : column + half + 1] = value
            picture[row - half : row + half + 1, column - reach : column + reach + 1] = value


def _us_abdomen(seed):
    scene = _Abdomen(seed)
    picture = np.round(_abdomen_echoes(scene)).astype(np.uint8)
    _calipers(picture, scene.crosses())
    for mark in range(0, 110, 10):  # a stroke each cm, longer at 5 and 10
        row = scene.TOP + round(mark / scene.SPACING)
        picture[row, -9 if mark % 50 else -15 : -2] = 200
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
        _region(TISSUE, scene.TISSUE_PLACE, (CM, CM), (cm, cm), (200, 0), flags=LOW_PRIORITY, TransducerFrequency=7500),
        _region(COLOUR_FLOW, scene.FLOW_PLACE, (CM, CM), (cm, cm), TransducerFrequency=5000, PulseRepetitionFrequency=4500),
        _region(SPECTRUM, scene.SPECTRUM_PLACE, (SECONDS, CM_PER_SECOND), (scene.SECONDS, -scene.SPEED), (0, scene.BASELINE),
                TransducerFrequency=5000, PulseRepetitionFrequency=5200, DopplerCorrectionAngle=60.0),  # a span of 160 cm/s
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
