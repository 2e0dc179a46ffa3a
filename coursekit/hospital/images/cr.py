"""Computed radiography."""

import numpy as np

from coursekit.hospital.draws import Draws
from coursekit.hospital.images import common, drawing

CR_STORAGE = "1.2.840.10008.5.1.4.1.1.1"


class _Chest:
    def __init__(self, seed):
        draws = Draws(seed, "cr_chest_pa")
        self.draws = draws
        self.rows, self.columns = (860, 700) if seed == 0 else ((860, 700), (900, 740), (820, 680), (840, 720))[draws.one(0, 3)]
        self.spacing = 0.5
        self.heart = 1.0 if seed == 0 else draws.one(92, 112) / 100
        self.level = 0 if seed == 0 else draws.one(-20, 160)  # of exposure, in stored values
        self.width = 2300 if seed == 0 else (2200, 2300, 2400, 2000)[draws.one(0, 3)]


def _bone(depth):
    """A tube's shadow: denser at its cortical edges."""
    return drawing.soft(depth, 0.0, 0.22) * (1 - 0.42 * drawing.soft(depth, 0.2, 0.55))


def _chest_attenuation(chest):
    """How much the body takes away from the beam at each pixel, in stored values."""
    x, y = drawing.grid(chest.rows, chest.columns, chest.spacing)
    x = x / (chest.columns / 700)
    y = y / (chest.rows / 860)
    clouds = drawing.clouds(chest.draws, x.shape, 9)
    grain = drawing.clouds(chest.draws, x.shape, 3)

    # The trunk: narrower at the neck, with shoulders and arms.
    neck = drawing.soft(-y, 128, 205)
    half = 168 - 112 * neck * neck + 8 * drawing.soft(y, 60, 215)
    trunk = np.clip(1 - (x / half) ** 2, 0, 1)
    thickness = np.sqrt(trunk)
    dense = 1150 * thickness + 520 * drawing.soft(thickness, 0.0, 0.35)

    # Lungs, each the product of soft edges: chest wall, mediastinum, apex, diaphragm.
    air = np.zeros(x.shape)
    for hand in (-1, 1):  # -1: the patient's right, on the left of the picture
        side = x * hand
        top, dome = -152, (92 if hand < 0 else 105)
        span = np.clip((y - top) / (dome - top), 0, 1.2)
        wall = 62 + 70 * np.sqrt(np.clip(1 - (1 - span) ** 2, 0, 1)) + 6 * span
        dia = dome + 46 * ((side - 70) / 64) ** 2 - 6
        med = 20 + 8 * drawing.soft(y, -60, 60)
        lung = (
            drawing.soft(side, med - 3, med + 12)
            * (1 - drawing.soft(side, wall - 9, wall))
            * drawing.soft(y, top - 2, top + 30)
            * (1 - drawing.soft(y - dia, -5, 4))
        )
        apex = 1 - drawing.soft(drawing.ellipse(side, y, 56, -96, 44, 60), 0.92, 1.02) * (1 - drawing.soft(y, -96, -80))
        air = np.maximum(air, lung * apex)
    dense = dense - 1130 * air

    # Heart and great vessels: the left border is the longer one.
    size = chest.heart
    heart = np.minimum(
        drawing.ellipse(x, y, 22 * size, 58, 62 * size, 46, (0.906, 0.423)), drawing.ellipse(x, y, -10, 44, 36 * size, 50)
    )
    knob = drawing.ellipse(x, y, 24, -62, 17, 17)
    vessels = np.maximum(1 - drawing.soft(np.abs(x - 2) / 33, 0.70, 1.0), 0) * drawing.soft(-y, -40, 0) * (1 - drawing.soft(-y, 90, 150))
    mass = np.maximum(np.maximum(1 - drawing.soft(heart, 0.88, 1.02), 1 - drawing.soft(knob, 0.85, 1.03)), vessels)
    dense += 600 * mass * (0.25 + 0.75 * drawing.soft(air + mass, 0, 1))

    # Hila and vessels that branch outwards, thinner with distance.
    for hand in (-1, 1):
        hilum = drawing.ellipse(x, y, hand * 39, -14 + 5 * hand, 15, 24)
        dense += 270 * (1 - drawing.soft(hilum, 0.3, 1.1)) * (0.4 + 0.6 * clouds)
        for branch in range(11):
            slope = (-1.5 + 0.32 * branch) + chest.draws.one(-10, 10) / 100
            reach = chest.draws.one(48, 76)
            bow = chest.draws.one(-9, 9)
            x0, y0 = hand * 34, -12 + 5 * hand + slope * 4
            depth, t = drawing.band(x, y, x0, y0, x0 + hand * reach, y0 + slope * reach * 0.9, bow, 3.4)
            dense += 190 * drawing.soft(depth, 0, 0.8) * (1 - 0.75 * np.clip(t, 0, 1)) * air
    dense += 120 * air * (grain - 0.5)

    # Bones: spine, ribs, clavicles, shoulder blades.
    column = 1 - drawing.soft(np.abs(x) / 18, 0.72, 1.0)
    disc = drawing.soft(np.abs(((y + 300) % 23) - 11.5), 8.5, 10.5)
    dense += 170 * column * (0.60 + 0.40 * (1 - disc)) * drawing.soft(y, -215, -190)
    for rib in range(10):
        y0 = -146 + 26.5 * rib
        reach = 66 + 78 * np.sqrt(1 - (1 - min(rib, 7) / 7.6) ** 2)
        for hand in (-1, 1):
            back, _ = drawing.band(x, y, hand * 15, y0, hand * reach, y0 + 22 + 3.0 * rib, -11 - 0.8 * rib, 5.2)
            dense += 205 * _bone(back)
            if 0 < rib < 8:
                front, t = drawing.band(x, y, hand * reach, y0 + 28 + 3.0 * rib, hand * 42, y0 + 72 + 4.5 * rib, 12, 5.4)
                dense += 105 * _bone(front) * (1 - 0.8 * np.clip(t, 0, 1))
    for hand in (-1, 1):
        clavicle, _ = drawing.band(x, y, hand * 14, -132, hand * 148, -158, 7 * 1, 6.5)
        dense += 300 * _bone(clavicle)
        blade = drawing.ellipse(x, y, hand * 142, -88, 22, 58, (0.97, hand * 0.243))
        dense += 165 * (1 - drawing.soft(blade, 0.93, 1.0)) * (0.5 + 0.5 * drawing.soft(blade, 0.8, 0.97))
        head = drawing.ellipse(x, y, hand * 164, -150, 22, 24)
        dense += 360 * (1 - drawing.soft(head, 0.9, 1.02))

    # Air where it belongs: trachea with the carina, and the stomach's bubble under the left dome.
    trachea = (1 - drawing.soft(np.abs(x) / 9.5, 0.72, 1.0)) * drawing.soft(-y, 42, 52)
    dense -= 300 * trachea
    for hand in (-1, 1):
        bronchus, _ = drawing.band(x, y, 0, -48, hand * 32, -22 if hand < 0 else -14, 0, 6)
        dense -= 190 * drawing.soft(bronchus, 0, 0.7)
    bubble = 1 - drawing.soft(drawing.ellipse(x, y, 72, 132, 27, 15), 0.82, 1.05)
    dense -= 430 * bubble
    dense += 260 * drawing.soft(y, 96, 150) * (1 - air) * thickness * (1 - 0.6 * bubble)
    dense += 60 * (clouds - 0.5) * thickness
    return np.where(dense > 1200, 1200 + (dense - 1200) * 0.62, dense)  # scatter flattens the dense parts


_L = ("1000000", "1000000", "1000000", "1000000", "1000000", "1000000", "1000000", "1000000", "1000000", "1111111", "1111111")


def _cr_chest_pa(seed):
    chest = _Chest(seed)
    values = 3320 + chest.level - drawing.blur(np.round(_chest_attenuation(chest) * 16).astype(np.int64), 1) // 16
    values = values + drawing.noise(chest.draws, values.shape, 14, 1)
    letter = np.array([[c == "1" for c in row] for row in _L])
    letter[:, 1] |= letter[:, 0]
    letter = np.repeat(np.repeat(letter, 3, axis=0), 3, axis=1)
    row, column = 46, chest.columns - 76
    values[row : row + letter.shape[0], column : column + letter.shape[1]][letter] = 160
    edge = 9
    frame = np.ones(values.shape, bool)
    frame[edge:-edge, edge:-edge] = False
    values[frame] = 90 + drawing.noise(chest.draws, values.shape, 6)[frame]
    values = np.clip(values, 0, 4095).astype(np.uint16)

    study = f"{common.ROOT}.200.7.2504072{seed % 10}" if seed else f"{common.ROOT}.200.7.25040723"
    ds = common.dataset(CR_STORAGE, (study, f"{study}.1", f"{study}.1.1"), "CR_ER1")
    if seed == 0:
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "HARDING^LEONARD", "HV117802", "19520311", "M"
    else:
        common.person(chest.draws, ds, "M")
    ds.IssuerOfPatientID = "HVGH"
    common.when(ds, "20250407", "070330", "070412", "070455")
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
    common.encoding(ds, values, 12)
    return ds


IMAGES = {"cr_chest_pa": _cr_chest_pa}
