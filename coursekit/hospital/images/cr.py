"""Computed radiography."""

import numpy as np

from coursekit.hospital.draws import Draws
from coursekit.hospital.images import common, drawing, dx, projection

CR_STORAGE = "1.2.840.10008.5.1.4.1.1.1"
BITS, PER_UGY = 14, 1200
KERMA, QUANTA = 3.2, 8000  # µGy where the lungs are; absorbed for each mm² and µGy: a plate catches fewer than a flat panel


class _Chest(dx.Body):
    """A chest from the front as `dx` sees one, of a man of his own: broader, not breathed in so deeply, a little off the middle."""

    def __init__(self, seed):
        self.chance = draws = Draws(seed, "cr_chest_pa")
        rows, columns = (860, 700) if seed == 0 else ((860, 700), (900, 740), (820, 680), (840, 720))[draws.one(0, 3)]
        super().__init__(seed, "PA", "cr_chest", rows, columns)
        self.film = x, y = self.grid
        broad = 1.02 if seed == 0 else draws.one(98, 103) / 100
        self.grid = (x - 3) / broad, (y + 4) / broad
        self.heart = 1.06 if seed == 0 else draws.one(92, 112) / 100
        self.breath = -6 if seed == 0 else draws.one(-9, 3)
        self.level = 0 if seed == 0 else draws.one(-20, 160)  # of exposure, in stored values
        self.width = 2300 if seed == 0 else (2200, 2300, 2400, 2000)[draws.one(0, 3)]


def _read_plate(chest):
    """Stored values: they grow with the logarithm of the exposure, so that air is high, which MONOCHROME1 shows black."""
    lost, air = dx.front_lost(chest)
    x, y = chest.grid
    lost = lost + 6 * projection.marker(*chest.film, "L", chest.film[0][0, -1] - 34, chest.film[1][0, 0] + 19, 14)
    shown = ((air > 20) | (lost > 2.5)) & (np.abs(x) < 135) & (y > -150) & (y < 140)
    region = (np.abs(x) < 128) & (np.abs(y) < 135)
    dose = projection.expose(chest.draws, lost, chest.SPACING, region, KERMA, QUANTA, 1.0, 25)
    raw = projection.stored(dose, PER_UGY, BITS)
    values = 3420 + chest.level - 0.70 * projection.rendered(raw, BITS, shown, 40, 0.70, 1.3)
    # Beyond the collimator's blades the plate saw next to nothing.
    rows, columns = np.indices(values.shape)
    inwards = np.minimum(np.minimum(rows, values.shape[0] - 1 - rows), np.minimum(columns, values.shape[1] - 1 - columns))
    outside = 90 + drawing.noise(chest.draws, values.shape, 6)
    values = values + (outside - values) * (1 - drawing.soft(inwards, 7, 12))
    return np.clip(np.round(values), 0, 4095).astype(np.uint16)


def _cr_chest_pa(seed):
    chest = _Chest(seed)
    values = _read_plate(chest)
    study = f"{common.ROOT}.200.7.2504072{seed % 10}" if seed else f"{common.ROOT}.200.7.25040723"
    ds = common.dataset(CR_STORAGE, (study, f"{study}.1", f"{study}.1.1"), "CR_ER1")
    if seed == 0:
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "HARDING^LEONARD", "HV117802", "19520311", "M"
    else:
        common.person(chest.chance, ds, "M")
    ds.IssuerOfPatientID = "HVGH"
    common.when(ds, "20250407", "070330", "070412", "070455")
    ds.AccessionNumber = "A2504070023" if seed == 0 else f"A25040700{chest.chance.one(12, 98)}"
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
    ds.ImagerPixelSpacing = [str(chest.SPACING)] * 2
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME1"
    ds.WindowCenter, ds.WindowWidth = str(2150 + chest.level), str(chest.width)
    ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = "1", "0", "US"
    common.encoding(ds, values, 12)
    return ds


IMAGES = {"cr_chest_pa": _cr_chest_pa}
