"""Intravascular optical coherence tomography: a pullback through the artery of "xa_coronary", with its functional groups.

Infrared light instead of ultrasound: ten times finer, but it sees only a millimetre or so into the wall, and blood must be
flushed away with contrast medium. The cross-sections are FOR PRESENTATION: made of A-lines and corrected for the
refractive index. Ranging Depth (0052,0009) is measured in air; divided by the Effective Refractive Index (0052,0004)
it is the radius of the picture in tissue (PS3.3 C.8.27.3). One revolution in five is stored: mm a frame follow from
pullback rate and the frames' times, not from the rate of rotation.

`truth` gives
    MLD, MLA, reference, reference_area, diameter_stenosis, area_stenosis, lesion
             of the narrowing, as in ``coronary.Artery.told``: mm, mm², per cent, mm from the artery's origin
    spacing  mm of a pixel
    rate     of the pullback, mm/s; rotation in Hz; step: mm from one stored frame to the next
    start, stop : numbers, from 1, of the frames between which the motor pulls
    length   mm of artery pulled through
    frames   of each frame (place in mm from the artery's origin, lumen's diameter in mm, its area in mm²)
    peak     number of the frame with the smallest lumen
    middle   of each frame, (row, column) of the lumen's middle; the catheter is in the middle of the picture
    wire     of each frame, direction of the guide wire and its shadow, whole degrees clockwise from the top
    plaque   direction in which the plaque is thickest, degrees clockwise from the top
    cap      thickness of the fibrous cap over the lipid at the narrowest place, mm
    seam     direction of the seam between first and last A-line, degrees clockwise from the top
    depth, index : ranging depth in air in mm, and effective refractive index
    story    (role, procedure) of the story's people
"""

import numpy as np

from coursekit.hospital.draws import Draws
from coursekit.hospital.images import common, coronary, drawing

IVOCT_STORAGE = "1.2.840.10008.5.1.4.1.1.14.1"
SIZE, LINES, SAMPLES = 512, 504, 512
DEPTH, INDEX = 6.75, 1.35
SPACING = DEPTH / INDEX / (SIZE / 2)  # mm
CATHETER, WIRE = 0.45, coronary.Catheter.WIRE  # mm: radii
RATE, ROTATION, EVERY = 20.0, 100.0, 5  # mm/s, Hz, revolutions for each that is stored
SEAM_STEP = 0.035  # mm that the artery moves in one revolution


class _Pullback:
    def __init__(self, seed):
        draws = Draws(seed, "ivoct_pullback")
        artery = coronary.Artery(seed)
        frames = 11
        step = RATE * EVERY / ROTATION
        self.catheter = coronary.Catheter(artery, CATHETER, draws.one(0, 359), artery.middle + step * draws.one(4, 6), step,
                                          frames, 1, frames)
        self.seam = draws.one(0, 35) * 10
        self.draws = draws


def _signal(scene, frame, r, cosine, sine, bend):
    """Strength of the light that comes back from each sample of each A-line, 0 to 255, without its speckle."""
    catheter, artery = scene.catheter, scene.catheter.artery
    place = catheter.place(frame)
    lumen, vessel = catheter.edges(frame, cosine, sine)
    drift = ((np.arange(LINES) * (360.0 / LINES) - scene.seam) % 360) / 360 - 0.5
    lumen = (lumen + SEAM_STEP * drift)[:, None]
    vessel = np.maximum((vessel + bend)[:, None], lumen + 0.26)
    deep, thick = r - lumen, vessel - lumen
    near = coronary.turned(LINES, artery.side)[:, None]
    # Healthy wall: a bright intima, a dark media, a bright adventitia; all fade with depth.
    media = drawing.soft(r, vessel - 0.15, vessel - 0.11) * (1 - drawing.soft(r, vessel - 0.03, vessel + 0.01))
    level = 212 - 120 * media * (1 - drawing.soft(thick, 0.35, 1.0))
    # Lipid under a cap: the light is scattered away behind a border that is not sharp.
    lipid = (1 - drawing.soft(near, 30, 64)) * float(1 - drawing.soft(np.abs(place - artery.middle), 2.0, 5.0))
    cap = artery.cap + 0.05 * drawing.soft(near, 20, 60)
    level = level + 26 * lipid * (deep < cap)
    under = np.maximum(deep - cap, 0)
    fade = 0.66 * np.maximum(deep, 0) + 2.7 * lipid * under / (0.16 + under)
    # Calcium deep in the plaque upstream: dark, with a sharp border, and the light passes through.
    arc = float(1 - drawing.soft(np.abs(place - artery.middle + 4.0), 1.2, 2.6))
    middle = 0.5 * thick + 0.02
    pool = ((deep - middle) / np.maximum(0.34 * thick, 0.05)) ** 2 + (coronary.turned(LINES, artery.side + 38)[:, None] / 30) ** 2
    if arc > 0.3:
        inside = 1 - drawing.soft(pool, 0.85, 1.05)
        level = level - (level - 62) * inside * arc
    signal = level * drawing.exp(-np.minimum(fade, 30.0))
    signal = signal * (1 - 0.35 * drawing.soft(deep, 0.9, 1.6))
    return np.where(deep < 0, 9.0, signal + 8.0)


def _frame(scene, frame, r, cosine, sine, where, bend):
    signal = _signal(scene, frame, r, cosine, sine, bend)
    grain = coronary.speckle(scene.draws, (LINES, SAMPLES), 1, 0)
    grey = signal * (0.42 + 0.58 * grain)
    # The wire: a bright arc where the light meets the metal, darkness behind.
    wire = coronary.turned(LINES, scene.catheter.wire(frame))[:, None]
    face = CATHETER + 0.02
    half = 17.0
    shadow = 1 - drawing.soft(wire, half - 4, half)
    bow = face + 0.06 * (wire / half) ** 2
    grey = np.where(r > bow + 0.05, grey + (8.0 * grain - grey) * shadow, grey)
    grey = np.maximum(grey, 250 * np.clip(1.3 - np.abs(r - bow - 0.02) / 0.03, 0, 1) * (1 - drawing.soft(wire, 0.5 * half, 0.9 * half)))
    # Reflections of the catheter: its sheath, and rings within.
    grey = np.where(r < CATHETER, np.minimum(grey, 14.0), grey)
    for at, strength, width in ((CATHETER - 0.02, 190, 0.016), (0.36, 70, 0.014), (0.25, 150, 0.016), (0.11, 230, 0.022)):
        grey = np.maximum(grey, strength * np.clip(1.3 - np.abs(r - at) / width, 0, 1) * (0.6 + 0.4 * grain))
    return coronary.scan(grey, where)


def _ivoct_pullback(seed):
    scene = _Pullback(seed)
    catheter = scene.catheter
    cosine, sine = coronary.directions(LINES)
    radius = SIZE / 2 * SPACING
    r = ((np.arange(SAMPLES) + 0.5) * (radius / SAMPLES))[None, :]
    distance, where = coronary.polar(SIZE, SPACING, LINES, SAMPLES)
    bend = coronary.wavy(scene.draws, LINES, 24, 0.05)
    uneven = 0.72 + 0.34 * drawing.clouds(scene.draws, (SIZE, SIZE), 20) + 0.22 * drawing.clouds(scene.draws, (SIZE, SIZE), 6)
    run = np.zeros((catheter.frames, SIZE, SIZE), np.uint8)
    for frame in range(1, catheter.frames + 1):
        picture = _frame(scene, frame, r, cosine, sine, where, bend)
        picture = picture * (1 + (uneven - 1) * drawing.soft(distance, 1.4, 2.0))
        run[frame - 1] = np.where(distance > radius, 0, np.clip(np.round(picture), 0, 255))

    ds = common.dataset(IVOCT_STORAGE, coronary.study(83), "OCT1")
    coronary.identify(ds, seed, 83, "100647", "OCT CORONARY", "LAD pullback")
    del ds.PatientOrientation, ds.AcquisitionDate, ds.AcquisitionTime
    ds.Modality, ds.PresentationIntentType = "IVOCT", "FOR PRESENTATION"
    ds.Manufacturer, ds.ManufacturerModelName = "Endolume", "Lumen S"
    ds.DeviceSerialNumber, ds.SoftwareVersions = "EL-0417", "3.1"
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = f"{ds.StudyInstanceUID}.8", ""
    ds.SynchronizationFrameOfReferenceUID = f"{ds.StudyInstanceUID}.9"
    ds.SynchronizationTrigger, ds.AcquisitionTimeSynchronized = "NO TRIGGER", "N"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL", "NONE"]
    ds.AcquisitionDateTime = f"{coronary.DATE}{ds.ContentTime}"
    ds.AcquisitionDuration = catheter.frames * EVERY / ROTATION
    ds.VolumetricProperties, ds.PixelPresentation = "DISTORTED", "MONOCHROME"
    ds.BurnedInAnnotation = ds.RecognizableVisualFeatures = "NO"
    ds.LossyImageCompression, ds.PresentationLUTShape = "00", "IDENTITY"
    ds.InterpolationType, ds.RecommendedDisplayFrameRate = "BILINEAR", "4"
    ds.ImageComments = f"One revolution in {EVERY} stored"
    _probe(ds, catheter)
    _flush(ds)
    _groups(ds, scene)
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    common.encoding(ds, run, 8)
    return ds


def _probe(ds, catheter):
    """How the light was sent and the catheter pulled (PS3.3 C.8.27.3, C.8.27.5)."""
    ds.OCTFocalDistance, ds.BeamSpotSize, ds.AxialResolution = 1.8, 30.0, 15.0
    ds.OCTAcquisitionDomain, ds.OCTOpticalCenterWavelength = "FREQUENCY", 1.31
    ds.RangingDepth = DEPTH
    ds.ALineRate, ds.ALinesPerFrame = LINES * ROTATION, LINES
    ds.IVUSAcquisition, ds.IVUSPullbackRate = "MOTORIZED", common.number(RATE)
    ds.IVUSPullbackStartFrameNumber, ds.IVUSPullbackStopFrameNumber = catheter.start, catheter.stop
    ds.CatheterDirectionOfRotation, ds.CatheterRotationalRate = "CW", ROTATION
    ds.ModeOfPercutaneousAccessSequence = [common.code("444850002", "SCT", "Via radial artery")]


def _flush(ds):
    """The contrast medium that keeps blood away (PS3.3 C.7.6.4b, A.66.3.1)."""
    agent = common.code("353962003", "SCT", "Iodixanol")
    agent.ContrastBolusAgentNumber = 1
    agent.ContrastBolusAdministrationRouteSequence = [common.code("372463005", "SCT", "Intracoronary route")]
    agent.ContrastBolusIngredientCodeSequence = [common.code("44588005", "SCT", "Iodine")]
    agent.ContrastBolusVolume, agent.ContrastBolusIngredientConcentration = "14", "320"
    ds.ContrastBolusAgentSequence = [agent]


def _groups(ds, scene):
    """Shared and per-frame functional groups, and the dimension that orders the frames (PS3.3 C.7.6.16, C.8.27.6)."""
    catheter = scene.catheter
    organization = f"{ds.StudyInstanceUID}.7"
    ds.NumberOfFrames, ds.RepresentativeFrameNumber = catheter.frames, catheter.told(SIZE, SPACING)["peak"]
    ds.DimensionOrganizationSequence = [common.item(DimensionOrganizationUID=organization)]
    ds.DimensionIndexSequence = [common.item(
        DimensionOrganizationUID=organization, DimensionIndexPointer=0x00209057, FunctionalGroupPointer=0x00209111)]
    ds.AcquisitionContextSequence = []
    anatomy = common.item(FrameLaterality="U", AnatomicRegionSequence=[common.code("41801008", "SCT", "Coronary artery")])
    anatomy.PrimaryAnatomicStructureSequence = [common.code("59438005", "SCT", "Left Anterior Descending Coronary Artery")]
    ds.SharedFunctionalGroupsSequence = [common.item(
        PixelMeasuresSequence=[common.item(PixelSpacing=[common.number(SPACING, 8)] * 2)],
        FrameAnatomySequence=[anatomy],
        FrameVOILUTSequence=[common.item(WindowCenter="100", WindowWidth="200")],
        IntravascularOCTFrameTypeSequence=[common.item(FrameType=list(ds.ImageType))],
        IntravascularFrameContentSequence=[common.item(SeamLineLocation=float(scene.seam))])]
    ds.PerFrameFunctionalGroupsSequence = []
    for frame in range(1, catheter.frames + 1):
        when = f"{ds.AcquisitionDateTime}.{round((frame - 1) * EVERY / ROTATION * 1000):03d}"
        ds.PerFrameFunctionalGroupsSequence.append(common.item(FrameContentSequence=[common.item(
            FrameAcquisitionNumber=1, FrameAcquisitionDateTime=when, FrameReferenceDateTime=when,
            FrameAcquisitionDuration=1000 / ROTATION, StackID="1", InStackPositionNumber=frame, DimensionIndexValues=[frame])]))


def _ivoct_pullback_truth(seed):
    scene = _Pullback(seed)
    return {**scene.catheter.told(SIZE, SPACING), "rate": RATE, "rotation": ROTATION, "cap": scene.catheter.artery.cap,
            "seam": scene.seam, "depth": DEPTH, "index": INDEX, "story": ("P3", "IVOCT")}


IMAGES = {"ivoct_pullback": _ivoct_pullback}
TRUTH = {"ivoct_pullback": _ivoct_pullback_truth}
