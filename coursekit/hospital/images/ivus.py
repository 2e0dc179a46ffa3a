"""Intravascular ultrasound: a pullback through the artery of "xa_coronary", as a multi-frame ultrasound image.

IVUS has no SOP class of its own: it is an Ultrasound Multi-frame Image whose Modality is IVUS, which then needs the
Synchronization module (PS3.3 A.7.4) and the IVUS attributes of the US Image module (C.8.5.6). The transducer stands
still before the motor starts and after it stops: IVUS Pullback Start and Stop Frame Number (0018,3103), (0018,3104).
The console stored one frame in so many, so that mm a frame follow from rate and Frame Time, not from the rotation.

`truth` gives
    MLD, MLA, reference, reference_area, diameter_stenosis, area_stenosis, lesion
             of the narrowing, as in ``coronary.Artery.told``: mm, mm², per cent, mm from the artery's origin
    spacing  mm of a pixel
    rate     of the pullback, mm/s; frame_time in ms; step: mm from one moving frame to the next
    start, stop : numbers, from 1, of the frames between which the motor pulls
    length   mm of artery pulled through
    frames   of each frame (place in mm from the artery's origin, lumen's diameter in mm, its area in mm²)
    peak     number of the frame with the smallest lumen
    middle   of each frame, (row, column) of the lumen's middle; the catheter is in the middle of the picture
    wire     of each frame, direction of the guide wire and its shadow, whole degrees clockwise from the top
    plaque   direction in which the plaque is thickest, degrees clockwise from the top
    story    (role, procedure) of the story's people
"""

import numpy as np

from coursekit.hospital.draws import Draws
from coursekit.hospital.images import common, coronary, drawing
from coursekit.hospital.images.us import US_MULTIFRAME_STORAGE

SIZE, SPACING = 400, 0.02  # pixels, mm: 8 mm across
LINES, SAMPLES = 256, 400
CATHETER, RINGING = 0.435, 0.52  # mm: radius of the catheter, and of what its own ringing hides
MEDIA, WIRE = 0.12, coronary.Catheter.WIRE  # mm: thickness of the media, radius of the wire
CM, TISSUE = 3, (1, 1)  # Physical Units, Region Spatial Format and Data Type (PS3.3 C.8.5.5.1)


class _Pullback:
    def __init__(self, seed):
        draws = Draws(seed, "ivus_pullback")
        self.rate, self.time = (1.0, 1000) if seed == 0 else ((0.5, 2000), (1.0, 1000), (1.0, 750))[draws.one(0, 2)]
        before, moving, after = (2, 13, 1) if seed == 0 else (draws.one(1, 3), draws.one(12, 13), draws.one(1, 2))
        step = self.rate * self.time / 1000
        artery = coronary.Artery(seed)
        start, stop = before + 1, before + 1 + moving
        self.catheter = coronary.Catheter(artery, CATHETER, draws.one(0, 359), artery.middle + step * draws.one(6, 7), step,
                                          stop + after, start, stop)
        self.draws = draws


def _echoes(scene, frame, r, cosine, sine, bend):
    """The strength of the echo of each sample of each line, 0 to 255, without its speckle."""
    catheter, artery = scene.catheter, scene.catheter.artery
    place = catheter.place(frame)
    lumen, vessel = catheter.edges(frame, cosine, sine)
    vessel = np.maximum(vessel + bend, lumen + MEDIA + 0.10)
    lumen, vessel = lumen[:, None], vessel[:, None]
    deep = r - lumen
    thick = vessel - MEDIA - lumen
    # Adventitia and what is around the artery; the muscle of the heart at one side of it.
    heart = 1 - drawing.soft(coronary.turned(LINES, artery.side + 35), 50, 95)[:, None]
    around = 178 - 86 * drawing.soft(r - vessel, 0.05, 0.85 + 0.7 * heart) - 26 * heart * drawing.soft(r - vessel, 0.3, 1.0)
    echo = 30.0 + (around - 30.0) * drawing.soft(r - vessel, -0.05, 0.03)  # media: dark
    # Plaque: grey, its core of lipid darker, its surface a bright line.
    near = coronary.turned(LINES, artery.side)[:, None]
    core = (1 - drawing.soft(near, 35, 62)) * drawing.soft(deep, 0.12, 0.22) * (1 - drawing.soft(deep, 0.66 * thick, 0.9 * thick))
    core = core * float(1 - drawing.soft(np.abs(place - artery.middle + 0.5), 1.5, 4.5))
    inside = 98 + 26 * (1 - drawing.soft(thick, 0.15, 0.5)) - 46 * core
    echo = np.where(deep < thick, inside, echo)
    echo = np.where((deep < 0.10) & (deep >= 0), 142.0, echo)
    # Calcium deep in the plaque, upstream of the narrowest place: very bright, dark behind.
    arc = float(1 - drawing.soft(np.abs(place - artery.middle + 4.0), 1.2, 2.6))
    calcium = coronary.turned(LINES, artery.side + 38)[:, None] < 27 * arc
    surface = lumen + 0.45 * np.maximum(thick, 0.2)
    echo = np.where(calcium & (r > surface + 0.16), 9.0, echo)
    echo = np.where(calcium & (np.abs(r - surface - 0.07) < 0.10), 246.0, echo)
    # A septal branch leaves the artery.
    opening = float(1 - drawing.soft(np.abs(place - 33.0), 0.35, 0.75))
    if opening > 0:
        branch = coronary.turned(LINES, artery.side + 165)[:, None] * coronary.PI / 180 * r
        echo = np.where((branch < 0.46 * opening) & (r > lumen - 0.05), 34.0, echo)
    return np.where(deep < 0, 27.0, echo), lumen


def _around(scene):
    """What makes the tissue around the artery uneven, a factor for each pixel; and a vein beside the artery."""
    x, y = drawing.grid(SIZE, SIZE, SPACING)
    coarse, fine = drawing.clouds(scene.draws, x.shape, 22), drawing.clouds(scene.draws, x.shape, 7)
    uneven = 0.62 + 0.46 * coarse + 0.30 * fine
    up, right = coronary.heading(scene.catheter.artery.side + 120)
    vein = drawing.ellipse(x, y, 2.75 * right, -2.75 * up, 0.62, 0.40, (up, right)) + 0.25 * (fine - 0.5)
    wall = 1 + 0.5 * np.clip(1 - np.abs(vein - 1.12) / 0.14, 0, 1)
    return uneven * wall * (0.16 + 0.84 * drawing.soft(vein, 0.92, 1.05))


def _frame(scene, frame, r, cosine, sine, where, bend):
    echo, lumen = _echoes(scene, frame, r, cosine, sine, bend)
    grain = coronary.speckle(scene.draws, (LINES, SAMPLES), 1, 1)
    blood = r < lumen
    grey = echo * np.where(blood, 0.15 + 0.85 * grain, 0.40 + 0.60 * grain)
    grey = grey * (1.05 - 0.34 * drawing.soft(r, 1.4, 4.0)) + 7 * grain * drawing.soft(r, 2.2, 4.0)
    # The guide wire: a bright spot with echoes of its own behind it, and a narrow shadow.
    wire = coronary.turned(LINES, scene.catheter.wire(frame))[:, None]
    face = CATHETER + 0.04
    shadow = (1 - drawing.soft(wire, 4, 11)) * (r > face + 0.2)
    grey = grey * (1 - 0.78 * shadow)
    for echoes, strength in ((0, 250), (1, 150), (2, 90), (3, 55)):
        at = face + 0.10 + 0.34 * echoes
        spot = np.clip(1.25 - np.abs(r - at) / 0.075, 0, 1) * (1 - drawing.soft(wire * r, 4.0 + 2 * echoes, 11.0 + 3 * echoes))
        grey = np.maximum(grey, strength * spot)
    # Ringing of the transducer: rings around the catheter, which is empty.
    rings = np.clip((RINGING + 0.03 - r) / 0.03, 0, 1)
    bright = 120 + 90 * np.abs(((r - CATHETER) / 0.045) % 1.0 - 0.5) + 30 * (grain - 1)
    grey = np.where(rings > 0, grey + (bright - grey) * rings * 0.85, grey)
    grey = np.where(r < CATHETER, 6.0, grey)
    return coronary.scan(grey, where)


def _marks(picture, distance):
    """A dot each millimetre on both axes; nothing outside the circle of the scan."""
    picture[distance > SIZE / 2 * SPACING] = 0
    middle = SIZE // 2
    for mm in range(1, 4):
        step = round(mm / SPACING)
        for row, column in ((middle - step, middle), (middle + step, middle), (middle, middle - step), (middle, middle + step)):
            picture[row - 1 : row + 1, column - 1 : column + 1] = 230


def _ivus_pullback(seed):
    scene = _Pullback(seed)
    catheter = scene.catheter
    cosine, sine = coronary.directions(LINES)
    r = ((np.arange(SAMPLES) + 0.5) * (SIZE / 2 * SPACING / SAMPLES))[None, :]
    distance, where = coronary.polar(SIZE, SPACING, LINES, SAMPLES)
    bend, around = coronary.wavy(scene.draws, LINES, 14, 0.07), _around(scene)
    run = np.zeros((catheter.frames, SIZE, SIZE), np.uint8)
    for frame in range(1, catheter.frames + 1):
        picture = _frame(scene, frame, r, cosine, sine, where, bend)
        picture = picture * (1 + (around - 1) * drawing.soft(distance, 1.7, 2.3))
        _marks(picture, distance)
        run[frame - 1] = np.clip(np.round(picture), 0, 255)

    ds = common.dataset(US_MULTIFRAME_STORAGE, coronary.study(82), "IVUS1")
    coronary.identify(ds, seed, 82, "094802", "IVUS CORONARY", "LAD pullback")
    ds.Modality = "IVUS"
    ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions = "Endolume", "Helix 40", "2.6"
    ds.AcquisitionDateTime = f"{ds.AcquisitionDate}{ds.AcquisitionTime}"
    ds.SynchronizationFrameOfReferenceUID = f"{ds.StudyInstanceUID}.9"
    ds.SynchronizationTrigger, ds.AcquisitionTimeSynchronized = "NO TRIGGER", "N"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "INTRAVASCULAR"]
    ds.NumberOfFrames, ds.FrameIncrementPointer, ds.FrameTime = catheter.frames, 0x00181063, common.number(scene.time)
    ds.RecommendedDisplayFrameRate = "4"
    ds.IVUSAcquisition, ds.IVUSPullbackRate = "MOTOR_PULLBACK", common.number(scene.rate)
    ds.IVUSPullbackStartFrameNumber, ds.IVUSPullbackStopFrameNumber = catheter.start, catheter.stop
    ds.LossyImageCompression, ds.BurnedInAnnotation = "00", "NO"
    ds.UltrasoundColorDataPresent = 0
    cm = SPACING / 10
    ds.SequenceOfUltrasoundRegions = [common.item(
        RegionSpatialFormat=TISSUE[0], RegionDataType=TISSUE[1], RegionFlags=0,
        RegionLocationMinX0=0, RegionLocationMinY0=0, RegionLocationMaxX1=SIZE - 1, RegionLocationMaxY1=SIZE - 1,
        PhysicalUnitsXDirection=CM, PhysicalUnitsYDirection=CM, PhysicalDeltaX=cm, PhysicalDeltaY=cm,
        ReferencePixelX0=SIZE // 2, ReferencePixelY0=SIZE // 2, ReferencePixelPhysicalValueX=0.0, ReferencePixelPhysicalValueY=0.0,
        TransducerFrequency=40000)]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    common.window(ds, 128, 256)
    common.encoding(ds, run, 8)
    return ds


def _ivus_pullback_truth(seed):
    scene = _Pullback(seed)
    return {**scene.catheter.told(SIZE, SPACING), "rate": scene.rate, "frame_time": scene.time, "story": ("P3", "IVUS")}


IMAGES = {"ivus_pullback": _ivus_pullback}
TRUTH = {"ivus_pullback": _ivus_pullback_truth}
