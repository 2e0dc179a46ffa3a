"""Images that the hospital's devices made: complete DICOM objects with pixels drawn by arithmetic.

Nothing here is of a patient. Pixels are made of whole numbers and of + - * / and square roots, whose results are the
same on every machine; chance comes from `Draws` alone.
"""

import copy
from functools import lru_cache

import numpy as np

from coursekit.hospital import names
from coursekit.hospital.draws import Draws

ROOT = "2.999"
CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
CR_STORAGE = "1.2.840.10008.5.1.4.1.1.1"
US_MULTIFRAME_STORAGE = "1.2.840.10008.5.1.4.1.1.3.1"


def image(name, seed=0):
    """One image of the hospital, as a complete pydicom FileDataset; each call gives a new one.

    name : "ct_head"     a slice of a head CT with a subdural haematoma, signed, with padding outside the scan circle
           "ct_head_rle" the same slice as the router passed it on: RLE compressed
           "cr_chest_pa" a chest radiograph, MONOCHROME1, 12 bits
           "us_ob_cine"  an obstetric ultrasound clip, RGB, several frames
    seed : the edition
    """
    if name not in _IMAGES:
        raise ValueError(f"there is no image {name!r}; there are {', '.join(_IMAGES)}")
    return copy.deepcopy(_made(name, seed))


@lru_cache(maxsize=8)
def _made(name, seed):
    return _IMAGES[name](seed)


def regions(name, seed=0):
    """Named places in an image, each (first row, row after the last, first column, column after the last)."""
    if name not in ("ct_head", "ct_head_rle"):
        raise ValueError(f"no places are named in {name!r}")
    head = _Head(seed)
    return {
        "clot": head.box(head.side * (head.inner_a - head.thickness / 2), 4, 2.6, 10.6),
        "csf": head.box(-head.side * 13.5 + head.shift, 28, 1.6, 5.6),
        "white matter": head.box(-head.side * 37, -14, 4.6, 7.6),
    }


# --- what every object carries


def _dataset(sop_class, uids, transfer_syntax, device):
    """A FileDataset with its file meta information and the UIDs (study, series, instance)."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(uids[2])
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.ImplementationClassUID = UID(f"{ROOT}.1.100.1")
    meta.ImplementationVersionName = "HVGH_2025"
    meta.SourceApplicationEntityTitle = device
    ds = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.SOPClassUID, ds.SOPInstanceUID = UID(sop_class), UID(uids[2])
    ds.StudyInstanceUID, ds.SeriesInstanceUID = UID(uids[0]), UID(uids[1])
    ds.InstitutionName = "Harbour Vale General Hospital"
    ds.StationName = device
    ds.ReferringPhysicianName = ""
    return ds


def _person(draws, ds, sex):
    """Give `ds` an invented patient."""
    families, women, men = names.LANGUAGES[draws.one(0, len(names.LANGUAGES) - 1)]
    given = women if sex == "F" else men
    family = families[draws.one(0, len(families) - 1)]
    ds.PatientName = f"{family}^{given[draws.one(0, len(given) - 1)]}".upper()
    ds.PatientID = f"HV{draws.one(101000, 198999)}"
    ds.PatientBirthDate = f"{draws.one(1938, 1998)}{draws.one(1, 12):02d}{draws.one(1, 28):02d}"
    ds.PatientSex = sex


def _when(ds, date, study, series, content):
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = date
    ds.StudyTime, ds.SeriesTime, ds.AcquisitionTime, ds.ContentTime = study, series, content, content


def _encoding(ds, pixels, stored, signed=False):
    """The Image Pixel attributes for `pixels` (frames, rows, columns, samples or rows, columns) and the pixels."""
    ds.Rows, ds.Columns = pixels.shape[-2:] if pixels.ndim == 2 else pixels.shape[1:3]
    ds.BitsAllocated = 8 * pixels.dtype.itemsize
    ds.BitsStored = stored
    ds.HighBit = stored - 1
    ds.PixelRepresentation = int(signed)
    ds.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    ds["PixelData"].VR = "OW" if ds.BitsAllocated > 8 else "OB"


# --- tools for drawing


def _grid(rows, columns, spacing):
    """x and y in mm of each pixel's centre, from the middle of the image, y downwards."""
    x = (np.arange(columns) - (columns - 1) / 2) * spacing
    y = (np.arange(rows) - (rows - 1) / 2) * spacing
    return np.broadcast_to(x, (rows, columns)), np.broadcast_to(y[:, None], (rows, columns))


def _ellipse(x, y, cx, cy, a, b, tilt=(1.0, 0.0)):
    """0 at the centre of an ellipse, 1 at its rim, growing outside. `tilt` is the direction of its first axis, of length 1."""
    u = (x - cx) * tilt[0] + (y - cy) * tilt[1]
    v = (y - cy) * tilt[0] - (x - cx) * tilt[1]
    return np.sqrt(u * u / (a * a) + v * v / (b * b))


def _soft(value, low, high):
    """0 below `low`, 1 above `high`, a smooth step between."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def _blur(whole, radius, times=1):
    """Whole numbers averaged over a square of side 2·radius+1; the rim is repeated outwards."""
    side = 2 * radius + 1
    for _ in range(times):
        for axis in (0, 1):
            padded = np.pad(whole, [(radius + 1, radius) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
            sums = np.cumsum(padded, axis=axis, dtype=np.int64)
            upper = np.take(sums, np.arange(side, sums.shape[axis]), axis=axis)
            lower = np.take(sums, np.arange(0, sums.shape[axis] - side), axis=axis)
            whole = (upper - lower) // side
    return whole


def _noise(draws, shape, half_range, grain=0):
    """Noise as whole numbers around 0: the sum of four uniform draws, averaged over `grain`."""
    count = shape[0] * shape[1]
    total = sum(draws.between(-half_range, half_range, count) for _ in range(4)).reshape(shape)
    return _blur(total, grain) if grain else total


def _clouds(draws, shape, radius):
    """A smooth random field of values 0..1, as evenly spread as ranks."""
    field = _blur(draws.below(1 << 20, shape[0] * shape[1]).reshape(shape), radius, 3)
    order = np.sort(field.ravel())
    return np.searchsorted(order, field.ravel()).reshape(shape) / field.size


# --- the head


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
    x, y = _grid(head.size, head.size, head.spacing)
    shape = x.shape
    wide = round(4.2 / head.spacing)
    clouds = _clouds(head.draws, shape, wide)
    fine = _clouds(head.draws, shape, round(2.4 / head.spacing))
    hu = np.full(shape, -1000.0)

    # The head holder under the head: a thin shell with foam in it.
    cradle = _ellipse(x, y, 0, 10, 92, 104)
    under = (y > 55) & (cradle < 1)
    hu[under] = -940
    hu[under & (cradle > 0.975)] = -350

    skin = _ellipse(x, y, 0, 0, 77, 96)
    hu[skin < 1] = 40
    hu[skin < 0.985] = -70
    muscle = (np.abs(x) > 52) & (np.abs(y + 10) < 34)
    hu[(skin < 0.97) & muscle] = 55

    outer, inner = _ellipse(x, y, 0, 0, 71.5, 89.5), _ellipse(x, y, 0, 0, head.inner_a, head.inner_b)
    hu[outer < 1] = 1000
    diploe = (outer < 0.975) & (inner > 1.032)
    hu[diploe] = 430 + 260 * fine[diploe]

    # The brain, pushed away from the haematoma's side.
    pushed = _ellipse(x, y, -head.side * head.thickness, 0, head.inner_a + 0.5, head.inner_b + 0.5)
    inside = inner < 1
    hu[inside] = head.clot + 6 * (clouds[inside] - 0.5)
    brain = inside & (pushed < 0.985) & (inner < 0.985)
    midline = head.shift * np.clip(1 - (y / head.inner_b) ** 2, 0, 1)
    depth = np.maximum(pushed, inner)
    ribbon = _soft(depth + 0.30 * (clouds - 0.5), 0.78, 0.83)
    deep_fold = np.abs(x - midline) / 60 + 0.05 * clouds
    ribbon = np.maximum(ribbon, 1 - _soft(deep_fold, 0.045, 0.075))
    hu[brain] = (27 + 10 * ribbon)[brain]
    # Sulci: narrow where the brain is pressed against the skull.
    pressed = np.clip(head.side * x / head.inner_a, 0, 1)
    sulcus = brain & (depth > 0.80) & (np.abs(fine - 0.5) < 0.055 * (1 - 0.85 * pressed) * _soft(depth, 0.80, 0.93))
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
        nucleus = _ellipse(at, y, hand * 19, -8, 7, 13, (0.97, hand * 0.243))
        thalamus = _ellipse(at, y, hand * 11, 11, 8, 11)
        lentiform = _ellipse(at, y, hand * 29, 0, 6, 15)
        for grey in (nucleus, thalamus, lentiform):
            hu[brain & (grey < 1)] = 37
        horn = _ellipse(at, y, hand * 8.5, -22, 4.6 * small, 15, (0.974, -hand * 0.225))
        atrium = _ellipse(at, y, hand * 20, 31, 5.4 * small, 15, (0.958, -hand * 0.287))
        hu[brain & ((horn < 1) | (atrium < 1))] = 7
        plexus = _ellipse(at, y, hand * 20.5, 33, 2.0, 3.4)
        hu[brain & (plexus < 1)] = 95
    hu[brain & (_ellipse(x - midline, y, 0, 8, 1.5, 8) < 1)] = 7  # third ventricle
    hu[brain & (_ellipse(x - midline, y, 0, 22, 1.7, 1.7) < 1)] = 160  # pineal
    return hu


def _ct_head(seed):
    head = _Head(seed)
    bits, slope, intercept, padding = head.scale
    sharp = np.round(_head_hu(head) * 16).astype(np.int64)
    blurred = _blur(sharp, 1) // 16
    x, y = _grid(head.size, head.size, head.spacing)
    strength = 9 if head.size == 512 else 11
    noise = _noise(head.draws, x.shape, strength, 1)
    air = blurred < -500
    hu = blurred + np.where(air, noise // 2, noise)
    hu = np.clip(hu, -1000 if intercept == -1000 else -1016, 1023 if bits == 12 else 3000)
    stored = ((hu - intercept) / slope).astype(np.int16)
    radius = head.size * head.spacing / 2
    stored[x * x + y * y > radius * radius] = padding

    from pydicom.uid import ExplicitVRLittleEndian

    number = 14
    study = f"{ROOT}.200.7.2504070{seed % 10}" if seed else f"{ROOT}.200.7.25040711"
    ds = _dataset(CT_STORAGE, (study, f"{study}.2", f"{study}.2.{number}"), ExplicitVRLittleEndian, "CTER01")
    if seed == 0:
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "VANDERMEER^ANNA^ELISE", "HV100234", "19610817", "F"
    else:
        _person(head.draws, ds, ("F", "M")[head.draws.one(0, 1)])
    ds.IssuerOfPatientID = "HVGH"
    _when(ds, "20250407", "065200", "065348", "065412")
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
    _encoding(ds, stored, bits, signed=True)
    ds.add_new("PixelPaddingValue", "SS", padding)  # US or SS, as Pixel Representation says
    return ds


def _ct_head_rle(seed):
    from pydicom.uid import RLELossless

    ds = image("ct_head", seed)
    # Lossless and by the standard's rules, so the object keeps its SOP Instance UID.
    ds.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    ds.file_meta.SourceApplicationEntityTitle = "HV_ROUTER"
    return ds


# --- the chest


class _Chest:
    def __init__(self, seed):
        draws = Draws(seed, "cr_chest_pa")
        self.draws = draws
        self.rows, self.columns = (860, 700) if seed == 0 else ((860, 700), (900, 740), (820, 680), (840, 720))[draws.one(0, 3)]
        self.spacing = 0.5
        self.heart = 1.0 if seed == 0 else draws.one(92, 112) / 100
        self.level = 0 if seed == 0 else draws.one(-20, 160)  # of exposure, in stored values
        self.width = 2300 if seed == 0 else (2200, 2300, 2400, 2000)[draws.one(0, 3)]


def _band(x, y, x0, y0, x1, y1, bow, half):
    """How deep a pixel lies in a bowed band from (x0, y0) to (x1, y1), 1 at its middle and 0 outside; and where along it, 0..1."""
    t = (x - x0) / (x1 - x0)
    middle = y0 + (y1 - y0) * t + bow * 4 * t * (1 - t)
    across = np.abs(y - middle) / half
    ends = _soft(t, -0.02, 0.04) * (1 - _soft(t, 0.96, 1.02))
    return np.clip(1 - across, 0, 1) * ends, t


def _bone(depth):
    """A tube's shadow: denser at its cortical edges."""
    return _soft(depth, 0.0, 0.22) * (1 - 0.42 * _soft(depth, 0.2, 0.55))


def _chest_attenuation(chest):
    """How much the body takes away from the beam at each pixel, in stored values."""
    x, y = _grid(chest.rows, chest.columns, chest.spacing)
    x = x / (chest.columns / 700)
    y = y / (chest.rows / 860)
    clouds = _clouds(chest.draws, x.shape, 9)
    grain = _clouds(chest.draws, x.shape, 3)

    # The trunk: narrower at the neck, with shoulders and arms.
    neck = _soft(-y, 128, 205)
    half = 168 - 112 * neck * neck + 8 * _soft(y, 60, 215)
    trunk = np.clip(1 - (x / half) ** 2, 0, 1)
    thickness = np.sqrt(trunk)
    dense = 1150 * thickness + 520 * _soft(thickness, 0.0, 0.35)

    # Lungs, each the product of soft edges: chest wall, mediastinum, apex, diaphragm.
    air = np.zeros(x.shape)
    for hand in (-1, 1):  # -1: the patient's right, on the left of the picture
        side = x * hand
        top, dome = -152, (92 if hand < 0 else 105)
        span = np.clip((y - top) / (dome - top), 0, 1.2)
        wall = 62 + 70 * np.sqrt(np.clip(1 - (1 - span) ** 2, 0, 1)) + 6 * span
        dia = dome + 46 * ((side - 70) / 64) ** 2 - 6
        med = 20 + 8 * _soft(y, -60, 60)
        lung = (
            _soft(side, med - 3, med + 12)
            * (1 - _soft(side, wall - 9, wall))
            * _soft(y, top - 2, top + 30)
            * (1 - _soft(y - dia, -5, 4))
        )
        apex = 1 - _soft(_ellipse(side, y, 56, -96, 44, 60), 0.92, 1.02) * (1 - _soft(y, -96, -80))
        air = np.maximum(air, lung * apex)
    dense = dense - 1130 * air

    # Heart and great vessels: the left border is the longer one.
    size = chest.heart
    heart = np.minimum(
        _ellipse(x, y, 22 * size, 58, 62 * size, 46, (0.906, 0.423)), _ellipse(x, y, -10, 44, 36 * size, 50)
    )
    knob = _ellipse(x, y, 24, -62, 17, 17)
    vessels = np.maximum(1 - _soft(np.abs(x - 2) / 33, 0.70, 1.0), 0) * _soft(-y, -40, 0) * (1 - _soft(-y, 90, 150))
    mass = np.maximum(np.maximum(1 - _soft(heart, 0.88, 1.02), 1 - _soft(knob, 0.85, 1.03)), vessels)
    dense += 600 * mass * (0.25 + 0.75 * _soft(air + mass, 0, 1))

    # Hila and vessels that branch outwards, thinner with distance.
    for hand in (-1, 1):
        hilum = _ellipse(x, y, hand * 39, -14 + 5 * hand, 15, 24)
        dense += 270 * (1 - _soft(hilum, 0.3, 1.1)) * (0.4 + 0.6 * clouds)
        for branch in range(11):
            slope = (-1.5 + 0.32 * branch) + chest.draws.one(-10, 10) / 100
            reach = chest.draws.one(48, 76)
            bow = chest.draws.one(-9, 9)
            x0, y0 = hand * 34, -12 + 5 * hand + slope * 4
            depth, t = _band(x, y, x0, y0, x0 + hand * reach, y0 + slope * reach * 0.9, bow, 3.4)
            dense += 190 * _soft(depth, 0, 0.8) * (1 - 0.75 * np.clip(t, 0, 1)) * air
    dense += 120 * air * (grain - 0.5)

    # Bones: spine, ribs, clavicles, shoulder blades.
    column = 1 - _soft(np.abs(x) / 18, 0.72, 1.0)
    disc = _soft(np.abs(((y + 300) % 23) - 11.5), 8.5, 10.5)
    dense += 170 * column * (0.60 + 0.40 * (1 - disc)) * _soft(y, -215, -190)
    for rib in range(10):
        y0 = -146 + 26.5 * rib
        reach = 66 + 78 * np.sqrt(1 - (1 - min(rib, 7) / 7.6) ** 2)
        for hand in (-1, 1):
            back, _ = _band(x, y, hand * 15, y0, hand * reach, y0 + 22 + 3.0 * rib, -11 - 0.8 * rib, 5.2)
            dense += 205 * _bone(back)
            if 0 < rib < 8:
                front, t = _band(x, y, hand * reach, y0 + 28 + 3.0 * rib, hand * 42, y0 + 72 + 4.5 * rib, 12, 5.4)
                dense += 105 * _bone(front) * (1 - 0.8 * np.clip(t, 0, 1))
    for hand in (-1, 1):
        clavicle, _ = _band(x, y, hand * 14, -132, hand * 148, -158, 7 * 1, 6.5)
        dense += 300 * _bone(clavicle)
        blade = _ellipse(x, y, hand * 142, -88, 22, 58, (0.97, hand * 0.243))
        dense += 165 * (1 - _soft(blade, 0.93, 1.0)) * (0.5 + 0.5 * _soft(blade, 0.8, 0.97))
        head = _ellipse(x, y, hand * 164, -150, 22, 24)
        dense += 360 * (1 - _soft(head, 0.9, 1.02))

    # Air where it belongs: trachea with the carina, and the stomach's bubble under the left dome.
    trachea = (1 - _soft(np.abs(x) / 9.5, 0.72, 1.0)) * _soft(-y, 42, 52)
    dense -= 300 * trachea
    for hand in (-1, 1):
        bronchus, _ = _band(x, y, 0, -48, hand * 32, -22 if hand < 0 else -14, 0, 6)
        dense -= 190 * _soft(bronchus, 0, 0.7)
    bubble = 1 - _soft(_ellipse(x, y, 72, 132, 27, 15), 0.82, 1.05)
    dense -= 430 * bubble
    dense += 260 * _soft(y, 96, 150) * (1 - air) * thickness * (1 - 0.6 * bubble)
    dense += 60 * (clouds - 0.5) * thickness
    return np.where(dense > 1200, 1200 + (dense - 1200) * 0.62, dense)  # scatter flattens the dense parts


_L = ("1000000", "1000000", "1000000", "1000000", "1000000", "1000000", "1000000", "1000000", "1000000", "1111111", "1111111")


def _cr_chest_pa(seed):
    chest = _Chest(seed)
    values = 3320 + chest.level - _blur(np.round(_chest_attenuation(chest) * 16).astype(np.int64), 1) // 16
    values = values + _noise(chest.draws, values.shape, 14, 1)
    letter = np.array([[c == "1" for c in row] for row in _L])
    letter[:, 1] |= letter[:, 0]
    letter = np.repeat(np.repeat(letter, 3, axis=0), 3, axis=1)
    row, column = 46, chest.columns - 76
    values[row : row + letter.shape[0], column : column + letter.shape[1]][letter] = 160
    edge = 9
    frame = np.ones(values.shape, bool)
    frame[edge:-edge, edge:-edge] = False
    values[frame] = 90 + _noise(chest.draws, values.shape, 6)[frame]
    values = np.clip(values, 0, 4095).astype(np.uint16)

    from pydicom.uid import ExplicitVRLittleEndian

    study = f"{ROOT}.200.7.2504072{seed % 10}" if seed else f"{ROOT}.200.7.25040723"
    ds = _dataset(CR_STORAGE, (study, f"{study}.1", f"{study}.1.1"), ExplicitVRLittleEndian, "CR_ER1")
    if seed == 0:
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "HARDING^LEONARD", "HV117802", "19520311", "M"
    else:
        _person(chest.draws, ds, "M")
    ds.IssuerOfPatientID = "HVGH"
    _when(ds, "20250407", "070330", "070412", "070455")
    ds.AccessionNumber = "A2504070023" if seed == 0 else f"A25040700{chest.draws.one(12, 98)}"
    ds.Modality = "CR"
    ds.Manufacturer, ds.ManufacturerModelName = "Pellicula Medical", "PlateReader 3"
    ds.StudyDescription, ds.SeriesDescription = "Chest PA", "PA"
    ds.StudyID, ds.SeriesNumber, ds.InstanceNumber = "40723", 1, 1
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.BodyPartExamined, ds.ViewPosition = "CHEST", "PA"
    ds.PatientOrientation = ["L", "F"]
    ds.ImageLaterality = "U"
    ds.KVP = "120"
    ds.PlateType = "ST-VI"
    ds.ImagerPixelSpacing = [str(chest.spacing)] * 2
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME1"
    ds.WindowCenter, ds.WindowWidth = str(2150 + chest.level), str(chest.width)
    ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = "1", "0", "US"
    _encoding(ds, values, 12)
    return ds


# --- the ultrasound clip


def _us_ob_cine(seed):
    draws = Draws(seed, "us_ob_cine")
    rows, columns, frames = (240, 320, 24) if seed == 0 else (
        (240, 320, 240, 288)[draws.one(0, 3)], (320, 352, 400)[draws.one(0, 2)], draws.one(16, 30))
    x, y = _grid(rows, columns, 1.0)
    x, y = x * 320 / columns, (y + rows / 2) * 240 / rows
    from_probe = np.sqrt(x * x + (y + 40) ** 2)
    sector = (from_probe > 62) & (from_probe < 262) & (np.abs(x) < 0.72 * (y + 40))
    speckle = _noise(draws, x.shape, 60, 1) + 2 * (_clouds(draws, x.shape, 2) * 40 - 20).astype(np.int64)
    clip = np.zeros((frames, rows, columns, 3), np.uint8)
    for frame in range(frames):
        beat = abs((frame % 8) - 4) / 4
        skull = _ellipse(x, y, -14, 138, 62, 46, (0.966, 0.259))
        grey = 62 + 46 * _soft(skull, 1.05, 1.3) - 40 * (1 - _soft(skull, 0.85, 0.95))
        grey = grey + 150 * np.clip(1 - np.abs(skull - 1) * 14, 0, 1)
        grey = grey + 60 * (np.abs(x + 14 + (y - 138) * 3.7) < 6) * (skull < 0.86)
        heart = _ellipse(x, y, 78, 172, 26 - 4 * beat, 22 - 4 * beat)
        grey = np.where(heart < 1, 28, grey)
        grey = grey + np.roll(speckle, frame % 3, axis=1) * (0.35 + grey / 220)
        grey = np.where(sector, np.clip(grey * (1 - _soft(from_probe, 200, 270) * 0.5), 0, 235), 0)
        clip[frame] = grey[..., None].astype(np.uint8)
        flow = sector & (_ellipse(x, y, 78, 172, 15, 12) < 0.6 + 0.4 * beat)
        clip[frame, flow] = (200, 40, 30) if beat > 0.5 else (30, 60, 205)

    from pydicom.uid import ExplicitVRLittleEndian

    study = f"{ROOT}.200.7.2504043{seed % 10}" if seed else f"{ROOT}.200.7.25040431"
    ds = _dataset(US_MULTIFRAME_STORAGE, (study, f"{study}.1", f"{study}.1.3"), ExplicitVRLittleEndian, "US_OB1")
    if seed == 0:
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "ROSSI^GIULIA", "HV131557", "19930622", "F"
    else:
        _person(draws, ds, "F")
    ds.IssuerOfPatientID = "HVGH"
    _when(ds, "20250404", "101500", "101612", "101940")
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
    _encoding(ds, clip, 8)
    return ds


_IMAGES = {"ct_head": _ct_head, "ct_head_rle": _ct_head_rle, "cr_chest_pa": _cr_chest_pa, "us_ob_cine": _us_ob_cine}
