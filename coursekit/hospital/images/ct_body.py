"""CT of the chest, and the low-dose CT of a PET/CT.

`truth` gives
    HU         {tissue: CT number}
    nodule     of "ct_chest": centre (x, y, z) and diameter, mm, in patient coordinates; its CT number
    slices, increment   number, and mm from one to the next
    CTDIvol, mAs        of "ct_chest": mGy, in the 32 cm phantom; mAs of a rotation
    story      (role, procedure) when the patient is one of the story's people
"""

import numpy as np

from coursekit.hospital.draws import Draws
from coursekit.hospital.images import common, drawing, pt, torso
from coursekit.hospital.images.ct import CT_STORAGE, technique

PLAIN = {
    torso.AIR: -1000, torso.FAT: -100, torso.MUSCLE: 52, torso.LUNG: -850, torso.BONE: 720, torso.MARROW: 190,
    torso.BLOOD: 42, torso.MYOCARDIUM: 46, torso.LIVER: 58, torso.SPLEEN: 48, torso.STOMACH: 22, torso.KIDNEY: 32,
    torso.CARTILAGE: 105, torso.DISC: 85, torso.CANAL: 28, torso.LESION: 38, torso.NODE: 40, torso.SHELL: -250,
    torso.FOAM: -960,
}
CONTRAST = {**PLAIN, torso.BLOOD: 185, torso.MYOCARDIUM: 105, torso.LIVER: 102, torso.SPLEEN: 118, torso.KIDNEY: 160,
            torso.LESION: 62, torso.NODE: 70}
NAMES = {"fat": torso.FAT, "muscle": torso.MUSCLE, "lung": torso.LUNG, "blood": torso.BLOOD, "liver": torso.LIVER,
         "marrow": torso.MARROW}


def hounsfield(draws, body, x, y, z, spacing, table, noise, grain):
    """A slice of `body` in whole Hounsfield units, with noise of standard deviation `noise`.

    table : {tissue: CT number}
    """
    tissue = body.tissue(x, y, z, spacing)
    lookup = np.zeros(torso.TISSUES)
    for kind, value in table.items():
        lookup[kind] = value
    hu = lookup[tissue]
    lung = tissue == torso.LUNG
    hu[lung] += 0.22 * y[lung]  # a lung is denser where it lies
    fine = drawing.blur(np.round(hu * 16).astype(np.int64), 1)
    white = np.round(drawing.normal(draws, hu.shape) * (noise * 16 * (2 * grain + 1))).astype(np.int64)
    return (fine + drawing.blur(white, grain) + 8) // 16


# --- the chest


class Chest:
    """A chest CT: the person, and what image and dose report must agree on."""

    SIZE, SPACING, INCREMENT, COUNT, TOP = 384, 0.9375, 10.0, 22, 100.0
    KV, MA, ROTATION, PITCH, CTDIVOL = 120, 180, 0.5, 1.0, 6.59  # kV, mA, s, -, mGy
    DATE, START, SCOUT, SPIRAL = "20250404", "111520", "111812", "112204"

    def __init__(self, seed):
        self.draws = draws = Draws(seed, "ct_chest")
        self.person_size = 1.0 if seed == 0 else draws.one(94, 103) / 100
        self.nodule = (72, 18, -30, 9) if seed == 0 else (
            (1, -1)[draws.one(0, 1)] * draws.one(66, 80), draws.one(10, 30), 10 * draws.one(-4, 2), draws.one(7, 11))
        self.sex = "M" if seed == 0 else "FM"[draws.one(0, 1)]
        self.body = torso.Torso(draws, self.person_size, [(*self.nodule, torso.LESION)])
        self.seed, (self.study, self.accession) = seed, common.ordered(self.DATE, 21)

    def identify(self, ds):
        common.person(Draws(self.seed, "ct_chest person"), ds, self.sex)
        ds.IssuerOfPatientID = "HVGH"
        ds.AccessionNumber, ds.StudyID, ds.StudyDescription = self.accession, "40421", "CT CHEST"

    def event(self, number):
        """Irradiation Event UID of the scout (1) or of the spiral (2)."""
        return f"{self.study}.7.{number}"


def _ct_chest(seed):
    chest = Chest(seed)
    x, y = drawing.grid(chest.SIZE, chest.SIZE, chest.SPACING)
    slices = []
    for place in range(chest.COUNT):
        z = chest.TOP - place * chest.INCREMENT
        hu = hounsfield(chest.draws, chest.body, x, y, z, chest.SPACING, CONTRAST, 11, 1)
        ds = common.dataset(CT_STORAGE, (chest.study, f"{chest.study}.3", f"{chest.study}.3.{place + 1}"), "CT2")
        chest.identify(ds)
        common.when(ds, chest.DATE, chest.START, chest.SPIRAL, common.clock_time(chest.SPIRAL, place // 4))
        technique(ds, "CT2", kv=chest.KV, ma=chest.MA, ms=round(1000 * chest.ROTATION), kernel="B40f")
        ds.SeriesDescription = "Chest 10.0 with contrast"
        ds.BodyPartExamined, ds.ProtocolName = "CHEST", "Chest routine"
        ds.SpiralPitchFactor, ds.SingleCollimationWidth, ds.TotalCollimationWidth = chest.PITCH, 0.6, 38.4
        ds.CTDIvol = chest.CTDIVOL
        ds.CTDIPhantomTypeCodeSequence = [common.code("113691", "DCM", "IEC Body Dosimetry Phantom")]
        ds.IrradiationEventUID = chest.event(2)
        ds.ContrastBolusAgent = "Iodinated contrast 300 mg/ml"
        ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = 3, 2, place + 1
        common.axial(ds, x.shape, chest.SPACING, z, chest.INCREMENT, f"{chest.study}.9")
        ds.SliceLocation = common.number(z)
        common.scale(ds, 1, -1024, "HU")
        common.window(ds, 45, 400)
        common.encoding(ds, np.clip(hu + 1024, 0, 4095).astype(np.uint16), 12)
        slices.append(ds)
    return slices


def _chest_truth(seed):
    chest = Chest(seed)
    *centre, radius = (value * chest.person_size for value in chest.nodule)
    return {
        "HU": {name: CONTRAST[kind] for name, kind in NAMES.items()},
        "nodule": {"centre": tuple(centre), "diameter": 2 * radius, "HU": CONTRAST[torso.LESION]},
        "slices": chest.COUNT, "increment": chest.INCREMENT,
        "CTDIvol": chest.CTDIVOL, "mAs": round(chest.MA * chest.ROTATION),
    }


# --- the CT of the PET/CT


def _ct_pet(seed):
    exam, draws = pt.PetCt(seed), Draws(seed, "ct_pet")
    x, y = drawing.grid(256, 256, 1.953125)
    slices = []
    for place, z in enumerate(exam.heights):
        hu = hounsfield(draws, exam.body, x, y, z, 1.953125, PLAIN, 18, 0)
        ds = common.dataset(CT_STORAGE, (exam.study, f"{exam.study}.2", f"{exam.study}.2.{place + 1}"), "PETCT1")
        exam.identify(ds)
        common.when(ds, exam.DATE, exam.START, exam.ct_time, common.clock_time(exam.ct_time, (len(exam.heights) - place) // 4))
        technique(ds, "PETCT1", kv=120, ma=80, ms=500, kernel="B30f")
        ds.SeriesDescription, ds.ProtocolName = "CT AC 8.0", "PET/CT low dose"
        ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = 2, 1, place + 1
        common.axial(ds, x.shape, 1.953125, z, exam.INCREMENT, exam.frame)
        ds.SliceLocation = common.number(z)
        common.scale(ds, 1, -1024, "HU")
        common.window(ds, 40, 400)
        common.encoding(ds, np.clip(hu + 1024, 0, 4095).astype(np.uint16), 12)
        slices.append(ds)
    return slices


def _ct_pet_truth(seed):
    exam = pt.PetCt(seed)
    return {"HU": {name: PLAIN[kind] for name, kind in NAMES.items()}, "slices": len(exam.heights),
            "increment": exam.INCREMENT, "story": exam.STORY}


IMAGES = {"ct_chest": _ct_chest, "ct_pet": _ct_pet}
TRUTH = {"ct_chest": _chest_truth, "ct_pet": _ct_pet_truth}
