"""Magnetic resonance of the brain: spin echoes whose pixels obey the signal equation of their own header.

    S = PD · (1 − e^(−TR/T1)) · e^(−TE/T2)

with the tissues' T1, T2 (ms) and proton density of the BrainWeb phantom at 1.5 T (Collins et al., IEEE Trans Med Imaging
17:463, 1998; its tissue table), and for the PET/MR at 3 T with the longer T1 that the literature reports of brain there
(white matter about 0.8 s, grey about 1.3 s). Those of tumour and oedema are chosen within what is seen. The noise is
that of a magnitude image: two channels of Gaussian noise, squared and added (Rician in tissue, Rayleigh in air). There
is no rescale: the values have no unit, and each series has a gain of its own.

`truth` gives
    TR, TE, field  ms, ms, tesla
    tissues  {tissue: (T1, T2, PD)}
    signal   {tissue: mean stored value}, from the equation and the gain
    gain, noise    stored value for S = 1; standard deviation of each channel's noise, as stored value
    tumour   centre (x, y, z) and radius, mm, in patient coordinates
    slices, increment   number, and mm from one to the next
    story    (role, procedure) when the patient is one of the story's people
"""

import numpy as np

from coursekit.hospital.draws import Draws
from coursekit.hospital.images import brain, common, drawing

MR_STORAGE = "1.2.840.10008.5.1.4.1.1.4"

# T1 ms, T2 ms, proton density relative to water
AT_1_5_T = {
    "CSF": (2569, 329, 1.0), "grey matter": (833, 83, 0.86), "white matter": (500, 70, 0.77), "fat": (350, 70, 1.0),
    "muscle": (900, 47, 1.0), "skin": (2569, 329, 1.0), "tumour": (1400, 140, 0.92), "oedema": (1100, 150, 0.90),
    "bone": (350, 70, 0.03), "air": (350, 70, 0.0),
}
AT_3_T = {**AT_1_5_T, "grey matter": (1331, 110, 0.86), "white matter": (832, 80, 0.77), "tumour": (1800, 130, 0.92),
          "oedema": (1500, 140, 0.90)}
KINDS = {
    brain.AIR: "air", brain.SKIN: "muscle", brain.FAT: "fat", brain.MUSCLE: "muscle", brain.BONE: "bone", brain.MARROW: "fat",
    brain.CSF: "CSF", brain.GREY: "grey matter", brain.WHITE: "white matter", brain.DEEP: "grey matter",
    brain.TUMOUR: "tumour", brain.OEDEMA: "oedema",
}


def spin_echo(t1, t2, density, tr, te):
    """The signal of a spin echo; all times in ms."""
    return float(density * (1 - drawing.exp(-tr / t1)) * drawing.exp(-te / t2))


class Exam:
    """Someone's head on one scanner: what all its series share."""

    SIZE, SPACING = 256, 0.9375

    def __init__(self, seed, room, low, count, increment, thickness):
        self.seed, draws = seed, Draws(seed, f"{room} head")
        side = 1 if seed == 0 else (1, -1)[draws.one(0, 1)]
        self.low, self.count, self.increment, self.thickness = low, count, increment, thickness
        level = low + increment * (count // 2 + (0 if seed == 0 else draws.one(-1, 1)))
        self.tumour = (side * 30, 22, level, 10, 19) if seed == 0 else (
            side * draws.one(27, 33), draws.one(16, 26), level, draws.one(8, 12), draws.one(17, 21))
        self.head = brain.Head(draws, self.tumour)

    def heights(self):
        """z of each slice, from the feet upwards."""
        return [self.low + self.increment * place for place in range(self.count)]

    def magnitudes(self, draws, table, tr, te, gain, noise):
        """The slices as stored values, one array at a time. `noise` is of each channel, as a stored value."""
        lookup = np.zeros(brain.TISSUES)
        for kind, name in KINDS.items():
            lookup[kind] = gain * spin_echo(*table[name], tr, te)
        x, y = drawing.grid(2 * self.SIZE, 2 * self.SIZE, self.SPACING / 2)
        for z in self.heights():
            signal = np.round(lookup[self.head.tissue(x, y, z)] * 16).astype(np.int64)
            # Four points a pixel, as a border may run through it; and a point spread: a small part of each neighbour's signal.
            signal = signal[::2, ::2] + signal[1::2, ::2] + signal[::2, 1::2] + signal[1::2, 1::2]
            signal = (3 * signal + drawing.blur(signal, 1)) / 256.0
            real = signal + noise * drawing.normal(draws, signal.shape)
            other = noise * drawing.normal(draws, signal.shape)
            yield z, np.clip(np.round(np.sqrt(real * real + other * other)), 0, 4095).astype(np.uint16)


def plane_and_pixels(ds, exam, z, pixels, frame):
    common.axial(ds, pixels.shape, exam.SPACING, z, exam.thickness, frame)
    ds.SpacingBetweenSlices, ds.SliceLocation = common.number(exam.increment), common.number(z)
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    common.encoding(ds, pixels, 12)


def sequence(ds, tr, te, field, thickness):
    """The MR Image module of a spin echo."""
    ds.Modality = "MR"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions, ds.MRAcquisitionType = "SE", "NONE", "", "2D"
    ds.RepetitionTime, ds.EchoTime, ds.EchoTrainLength = common.number(tr), common.number(te), 1
    ds.FlipAngle, ds.NumberOfAverages = "90", "1"
    ds.MagneticFieldStrength = common.number(field)
    ds.ImagedNucleus, ds.ImagingFrequency = "1H", common.number(42.577 * field, 3)
    ds.EchoNumbers = 1


# --- the brain of P9, at 1.5 T

# name: TR, TE, gain, series number, description
SERIES = {
    "mr_brain_t1": (500, 15, 3200, 3, "T1 SE tra"),
    "mr_brain_t2": (2500, 90, 3600, 4, "T2 SE tra"),
    "mr_brain_pd": (2500, 20, 2400, 5, "PD SE tra"),
}
NOISE = 0.009  # of each channel, relative to S = 1
WINDOWS = {"mr_brain_t1": (900, 1100), "mr_brain_t2": (900, 1800), "mr_brain_pd": (1250, 1500)}


def _brain(seed):
    return Exam(seed, "mr_brain", -9.0, 11, 6.5, 5)


def _mr_brain(name):
    def make(seed):
        tr, te, gain, number, description = SERIES[name]
        exam = _brain(seed)
        study, accession = common.ordered("20250318", 31)
        start = common.clock_time("150508", 240 * (number - 2))
        slices = []
        for place, (z, pixels) in enumerate(exam.magnitudes(Draws(seed, name), AT_1_5_T, tr, te, gain, NOISE * gain)):
            ds = common.dataset(MR_STORAGE, (study, f"{study}.{number}", f"{study}.{number}.{place + 1}"), "MR1")
            common.story_person(ds, seed, "P9")
            ds.AccessionNumber, ds.StudyID = accession, "31831"
            common.when(ds, "20250318", "150508", start, start)
            sequence(ds, tr, te, 1.5, exam.thickness)
            ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions = "Helio Systems", "Tarn 1.5T", "E11"
            ds.StudyDescription, ds.SeriesDescription = "MR BRAIN", description
            ds.BodyPartExamined, ds.ProtocolName = "BRAIN", description
            ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = number, 1, place + 1
            common.window(ds, *WINDOWS[name])
            plane_and_pixels(ds, exam, z, pixels, f"{study}.9")
            slices.append(ds)
        return slices
    return make


def _told(exam, table, tr, te, gain, noise, field):
    x, y, z, radius, _ = exam.tumour
    return {
        "TR": tr, "TE": te, "field": field, "tissues": dict(table), "gain": gain, "noise": noise,
        "signal": {name: round(gain * spin_echo(*values, tr, te), 1) for name, values in table.items()},
        "tumour": {"centre": (x, y, z), "radius": radius}, "slices": exam.count, "increment": exam.increment,
    }


def _mr_brain_truth(name):
    def tell(seed):
        tr, te, gain, *_ = SERIES[name]
        return {**_told(_brain(seed), AT_1_5_T, tr, te, gain, NOISE * gain, 1.5), "story": ("P9", "MRBR")}
    return tell


# --- the MR of a PET/MR, at 3 T


class PetMr(Exam):
    """The head on the PET/MR: its MR here, its PET in `pt`, both in one frame of reference."""

    def __init__(self, seed):
        super().__init__(seed, "petmr", -16.0, 19, 4.0, 4)
        self.study, self.accession = common.ordered("20250402", 41)
        self.frame = f"{self.study}.9"

    def identify(self, ds):
        from coursekit.hospital.images import pt  # which needs this module

        common.person(Draws(self.seed, "petmr person"), ds, "F")
        ds.IssuerOfPatientID = "HVGH"
        ds.AccessionNumber, ds.StudyID, ds.StudyDescription = self.accession, "40241", "PET/MR BRAIN"
        ds.BodyPartExamined = "BRAIN"
        ds.PatientWeight = common.number(pt.brain_injection(self.seed).weight)


PET_MR = {"tr": 600, "te": 12, "gain": 3600, "noise": 25}


def _mr_pet(seed):
    exam = PetMr(seed)
    slices = []
    for place, (z, pixels) in enumerate(exam.magnitudes(Draws(seed, "mr_pet"), AT_3_T, **PET_MR)):
        ds = common.dataset(MR_STORAGE, (exam.study, f"{exam.study}.1", f"{exam.study}.1.{place + 1}"), "PETMR1")
        exam.identify(ds)
        common.when(ds, "20250402", "130410", "131502", "131502")
        sequence(ds, PET_MR["tr"], PET_MR["te"], 3, exam.thickness)
        ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions = "Helio Systems", "Fjord PET/MR", "A3.1"
        ds.SeriesDescription = ds.ProtocolName = "T1 SE tra"
        ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = 1, 1, place + 1
        common.window(ds, 950, 1100)
        plane_and_pixels(ds, exam, z, pixels, exam.frame)
        slices.append(ds)
    return slices


def _mr_pet_truth(seed):
    return _told(PetMr(seed), AT_3_T, PET_MR["tr"], PET_MR["te"], PET_MR["gain"], PET_MR["noise"], 3)


IMAGES = {**{name: _mr_brain(name) for name in SERIES}, "mr_pet": _mr_pet}
TRUTH = {**{name: _mr_brain_truth(name) for name in SERIES}, "mr_pet": _mr_pet_truth}
