"""Computed tomography."""

import numpy as np

from coursekit.hospital.draws import Draws
from coursekit.hospital.images import common, drawing

CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
# device: manufacturer, model, software, serial number
SCANNERS = {
    "CTER01": ("Norrland Imaging", "Torus 64", "7.2.1", "NI-41077"),
    "CT2": ("Norrland Imaging", "Torus 128", "8.0.3", "NI-52210"),
    "PETCT1": ("Helio Systems", "Biscay 20", "VC30", "HS-1044"),
}


def technique(ds, device, kv, ma, ms, kernel):
    """The equipment and how a slice was exposed: kilovolts, milliamperes, milliseconds; its reconstruction kernel."""
    ds.Modality = "CT"
    ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions, ds.DeviceSerialNumber = SCANNERS[device]
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.KVP, ds.XRayTubeCurrent, ds.ExposureTime, ds.Exposure = str(kv), ma, ms, ma * ms // 1000
    ds.GantryDetectorTilt = "0"
    ds.ConvolutionKernel = kernel
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"


class _Head:
    """What varies in the head CT from edition to edition, and its geometry in mm."""

    SPACING_BY_SIZE = {512: 0.46875, 768: 0.3125}
    # bits stored, slope, intercept, padding: as different scanners do it; all signed
    SCALES = (
        (12, 1, -1024, -2000),
        (16, 1, -1000, -2000),
        (16, 0.5, -1024, -3000),
        (13, 1, -1024, -4096),
        (12, 1, -1000, -2048),
    )

    def __init__(self, seed):
        draws = Draws(seed, "ct_head")
        self.draws = draws
        self.size = 512 if seed == 0 else (512, 512, 768)[draws.one(0, 2)]
        self.scale = self.SCALES[0 if seed == 0 else draws.one(0, len(self.SCALES) - 1)]
        self.window = (40, 80) if seed == 0 else ((35, 80), (40, 80), (38, 90), (40, 100), (35, 75))[draws.one(0, 4)]
        self.side = 1 if seed == 0 else (1, -1)[draws.one(0, 1)]  # +1: the right of the image, the patient's left
        self.thickness = 13 if seed == 0 else draws.one(11, 15)  # of the haematoma, mm
        self.clot = 66 if seed == 0 else draws.one(58, 74)  # HU
        self.inner_a, self.inner_b = 64.0, 82.0  # of the inner table
        self.shift = -self.side * 0.42 * self.thickness  # of the midline
        self.spacing = self.SPACING_BY_SIZE[self.size]

    def box(self, x, y, half_width, half_height):
        """The pixels around the place (x, y) in mm, as (first row, row after, first column, column after)."""
        middle = (self.size - 1) / 2

        def pixel(mm):
            return int(round(middle + mm / self.spacing))

        return pixel(y - half_height), pixel(y + half_height), pixel(x - half_width), pixel(x + half_width)


def _head_hu(head):
    """The slice in Hounsfield units, without noise."""
    x, y = drawing.grid(head.size, head.size, head.spacing)
    shape = x.shape
    wide = round(4.2 / head.spacing)
    clouds = drawing.clouds(head.draws, shape, wide)
    fine = drawing.clouds(head.draws, shape, round(2.4 / head.spacing))
    hu = np.full(shape, -1000.0)

    # The head holder under the head: a thin shell with foam in it.
    cradle = drawing.ellipse(x, y, 0, 10, 92, 104)
    under = (y > 55) & (cradle < 1)
    hu[under] = -940
    hu[under & (cradle > 0.975)] = -350

    skin = drawing.ellipse(x, y, 0, 0, 77, 96)
    hu[skin < 1] = 40
    hu[skin < 0.985] = -70
    muscle = (np.abs(x) > 52) & (np.abs(y + 10) < 34)
    hu[(skin < 0.97) & muscle] = 55

    outer, inner = drawing.ellipse(x, y, 0, 0, 71.5, 89.5), drawing.ellipse(x, y, 0, 0, head.inner_a, head.inner_b)
    hu[outer < 1] = 1000
    diploe = (outer < 0.975) & (inner > 1.032)
    hu[diploe] = 430 + 260 * fine[diploe]

    # The brain, pushed away from the haematoma's side.
    pushed = drawing.ellipse(x, y, -head.side * head.thickness, 0, head.inner_a + 0.5, head.inner_b + 0.5)
    inside = inner < 1
    hu[inside] = head.clot + 6 * (clouds[inside] - 0.5)
    brain = inside & (pushed < 0.985) & (inner < 0.985)
    midline = head.shift * np.clip(1 - (y / head.inner_b) ** 2, 0, 1)
    depth = np.maximum(pushed, inner)
    ribbon = drawing.soft(depth + 0.30 * (clouds - 0.5), 0.78, 0.83)
    deep_fold = np.abs(x - midline) / 60 + 0.05 * clouds
    ribbon = np.maximum(ribbon, 1 - drawing.soft(deep_fold, 0.045, 0.075))
    hu[brain] = (27 + 10 * ribbon)[brain]
    # Sulci: narrow where the brain is pressed against the skull.
    pressed = np.clip(head.side * x / head.inner_a, 0, 1)
    sulcus = brain & (depth > 0.80) & (np.abs(fine - 0.5) < 0.055 * (1 - 0.85 * pressed) * drawing.soft(depth, 0.80, 0.93))
    hu[sulcus] = 12
    hu[inside & ~brain & (pushed < 1) & (head.side * x < head.inner_a * 0.3)] = 14  # the space around the brain
    fissure = brain & (np.abs(x - midline) < 0.9) & (np.abs(y) > 34)
    hu[fissure] = 14
    falx = inside & (np.abs(x - midline) < 0.55) & ((y < -36) | (y > 36))
    hu[falx] = 58

    for hand in (-1, 1):
        near = hand == head.side
        small = 0.62 if near else 1.08
        at = x - midline
        nucleus = drawing.ellipse(at, y, hand * 19, -8, 7, 13, (0.97, hand * 0.243))
        thalamus = drawing.ellipse(at, y, hand * 11, 11, 8, 11)
        lentiform = drawing.ellipse(at, y, hand * 29, 0, 6, 15)
        for grey in (nucleus, thalamus, lentiform):
            hu[brain & (grey < 1)] = 37
        horn = drawing.ellipse(at, y, hand * 8.5, -22, 4.6 * small, 15, (0.974, -hand * 0.225))
        atrium = drawing.ellipse(at, y, hand * 20, 31, 5.4 * small, 15, (0.958, -hand * 0.287))
        hu[brain & ((horn < 1) | (atrium < 1))] = 7
        plexus = drawing.ellipse(at, y, hand * 20.5, 33, 2.0, 3.4)
        hu[brain & (plexus < 1)] = 95
    hu[brain & (drawing.ellipse(x - midline, y, 0, 8, 1.5, 8) < 1)] = 7  # third ventricle
    hu[brain & (drawing.ellipse(x - midline, y, 0, 22, 1.7, 1.7) < 1)] = 160  # pineal
    return hu


def _ct_head(seed):
    head = _Head(seed)
    bits, slope, intercept, padding = head.scale
    sharp = np.round(_head_hu(head) * 16).astype(np.int64)
    blurred = drawing.blur(sharp, 1) // 16
    x, y = drawing.grid(head.size, head.size, head.spacing)
    strength = 9 if head.size == 512 else 11
    noise = drawing.noise(head.draws, x.shape, strength, 1)
    air = blurred < -500
    hu = blurred + np.where(air, noise // 2, noise)
    hu = np.clip(hu, -1000 if intercept == -1000 else -1016, 1023 if bits == 12 else 3000)
    stored = ((hu - intercept) / slope).astype(np.int16)
    radius = head.size * head.spacing / 2
    stored[x * x + y * y > radius * radius] = padding

    number = 14
    study = f"{common.ROOT}.200.7.2504070{seed % 10}" if seed else f"{common.ROOT}.200.7.25040711"
    ds = common.dataset(CT_STORAGE, (study, f"{study}.2", f"{study}.2.{number}"), "CTER01")
    if seed == 0:
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "VANDERMEER^ANNA^ELISE", "HV100234", "19610817", "F"
    else:
        common.person(head.draws, ds, ("F", "M")[head.draws.one(0, 1)])
    ds.IssuerOfPatientID = "HVGH"
    common.when(ds, "20250407", "065200", "065348", "065412")
    ds.AccessionNumber = "A2504070011" if seed == 0 else f"A25040700{head.draws.one(12, 98)}"
    ds.Modality = "CT"
    ds.Manufacturer, ds.ManufacturerModelName = "Norrland Imaging", "Torus 64"
    ds.SoftwareVersions = "7.2.1"
    ds.DeviceSerialNumber = "NI-41077"
    ds.StudyDescription, ds.SeriesDescription = "CT head without contrast", "Head 3.0 brain"
    ds.StudyID, ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = "40711", 2, 1, number
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.ImageComments = "Uncompressed"
    ds.BodyPartExamined = "HEAD"
    ds.ProtocolName = "Head routine"
    ds.PatientPosition = "HFS"
    ds.KVP, ds.XRayTubeCurrent, ds.ExposureTime, ds.SliceThickness = "120", 240, 1000, "3.0"
    ds.ConvolutionKernel = "H31s"
    ds.FrameOfReferenceUID = f"{study}.9"
    ds.PositionReferenceIndicator = ""
    corner = -(head.size - 1) / 2 * head.spacing
    ds.ImagePositionPatient = [f"{corner:.4f}", f"{corner:.4f}", "51.0"]
    ds.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    ds.SliceLocation = "51.0"
    ds.PixelSpacing = [str(head.spacing)] * 2
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.WindowCenter, ds.WindowWidth = str(head.window[0]), str(head.window[1])
    ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = str(slope), str(intercept), "HU"
    common.encoding(ds, stored, bits, signed=True)
    ds.add_new("PixelPaddingValue", "SS", padding)  # US or SS, as Pixel Representation says
    return ds


def _ct_head_rle(seed):
    from pydicom.uid import RLELossless

    ds = _ct_head(seed)
    # Lossless and by the standard's rules, so the object keeps its SOP Instance UID.
    ds.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    ds.file_meta.SourceApplicationEntityTitle = "HV_ROUTER"
    return ds


def _head_regions(seed):
    head = _Head(seed)
    return {
        "clot": head.box(head.side * (head.inner_a - head.thickness / 2), 4, 2.6, 10.6),
        "csf": head.box(-head.side * 13.5 + head.shift, 28, 1.6, 5.6),
        "white matter": head.box(-head.side * 37, -14, 4.6, 7.6),
    }


IMAGES = {"ct_head": _ct_head, "ct_head_rle": _ct_head_rle}
REGIONS = {"ct_head": _head_regions, "ct_head_rle": _head_regions}
