"""Positron emission tomography with FDG: activity concentrations from which the standardised uptake value can be computed.

Stored values become Bq/ml by each slice's own Rescale Slope. All slices are corrected for decay to the start of the
series (Decay Correction START: Series Time); the injected dose is that of the time of injection. So

    SUVbw = Bq/ml · weight in g / (dose · 2^(−(Series Time − injection) / half life))        g/ml

The bed moves from the thighs to the head, some minutes a position: Acquisition Time is later than Series Time in most
slices, and is not the time to which decay was corrected.

`truth` gives
    weight kg, dose Bq (at injection), injected and series times HHMMSS, half_life s, uptake s (between those times)
    dose_at_series    Bq
    SUV      {place: SUVbw}: of organs, and of the lesions in their middle
    lesions  {name: centre (x, y, z) and radius, mm, in patient coordinates}
    beds     number of bed positions
    slices, increment   number, and mm from one to the next
    story    (role, procedure) when the patient is one of the story's people
"""

import numpy as np

from coursekit.hospital.draws import Draws
from coursekit.hospital.images import brain, common, drawing, mr, torso

PET_STORAGE = "1.2.840.10008.5.1.4.1.1.128"
HALF_LIFE = 6586.2  # s, of fluorine-18
TORSO_SUV = {
    torso.AIR: 0, torso.FAT: 0.3, torso.MUSCLE: 0.7, torso.LUNG: 0.45, torso.BONE: 0.9, torso.MARROW: 1.5, torso.BLOOD: 1.7,
    torso.MYOCARDIUM: 3.2, torso.LIVER: 2.3, torso.SPLEEN: 1.9, torso.STOMACH: 1.3, torso.KIDNEY: 4.2, torso.CARTILAGE: 0.7,
    torso.DISC: 0.8, torso.CANAL: 1.1,
}
BRAIN_SUV = {
    brain.AIR: 0, brain.SKIN: 0.8, brain.FAT: 0.4, brain.MUSCLE: 0.9, brain.BONE: 0.5, brain.MARROW: 0.9, brain.CSF: 0.8,
    brain.GREY: 9.0, brain.DEEP: 9.5, brain.WHITE: 3.2, brain.OEDEMA: 2.4,
}


def decayed(seconds):
    """The part of fluorine-18 that is left after `seconds`."""
    return float(drawing.exp(-0.6931471805599453 * seconds / HALF_LIFE))


class Injection:
    """Patient's weight, injected dose and times of one examination: what turns Bq/ml into SUV."""

    def __init__(self, seed, room, date, injected, uptake, weight, dose):
        draws = Draws(seed, f"{room} injection")
        self.date, self.injected = date, injected
        self.uptake = uptake if seed == 0 else uptake + draws.one(-400, 600)
        self.weight = weight if seed == 0 else weight + draws.one(-12, 14)
        self.dose = dose if seed == 0 else dose + 1_000_000 * draws.one(-40, 40)
        self.series = common.clock_time(injected, self.uptake)
        self.left = self.dose * decayed(self.uptake)

    def concentration(self, suv):
        """Bq/ml at the start of the series of tissue with this SUV."""
        return suv * self.left / (1000.0 * self.weight)

    def told(self):
        return {"weight": self.weight, "dose": self.dose, "injected": self.injected, "series": self.series,
                "uptake": self.uptake, "half_life": HALF_LIFE, "dose_at_series": round(self.left)}

    def describe(self, ds):
        """The PET Isotope module and the weight."""
        ds.PatientWeight = common.number(self.weight)
        ds.RadiopharmaceuticalInformationSequence = [common.item(
            Radiopharmaceutical="FDG",
            RadiopharmaceuticalStartTime=self.injected, RadiopharmaceuticalStartDateTime=self.date + self.injected,
            RadionuclideTotalDose=str(self.dose), RadionuclideHalfLife="6586.2", RadionuclidePositronFraction="0.967",
            RadionuclideCodeSequence=[common.code("77004003", "SCT", "^18^Fluorine")],
            RadiopharmaceuticalCodeSequence=[common.code("35321007", "SCT", "Fluorodeoxyglucose F^18^")],
        )]


def _series_module(ds, kind, injection, slices, attenuation):
    """What all slices of a series share (PS3.3 C.8.9.1, C.8.9.2, C.8.4.6)."""
    ds.Modality = "PT"
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.SeriesType = [kind, "IMAGE"]
    ds.Units, ds.CountsSource, ds.DecayCorrection = "BQML", "EMISSION", "START"
    ds.CorrectedImage = ["DECY", "ATTN", "SCAT", "DTIM", "RAN", "NORM"]
    ds.RandomsCorrectionMethod, ds.ScatterCorrectionMethod = "DLYD", "Model-based"
    ds.AttenuationCorrectionMethod = attenuation
    ds.ReconstructionMethod, ds.ConvolutionKernel = "OSEM 3i21s", "Gauss 5.0 mm"
    ds.CollimatorType = "NONE"
    ds.NumberOfSlices = slices
    ds.PatientOrientationCodeSequence = [common.code("102538003", "SCT", "recumbent")]
    ds.PatientOrientationCodeSequence[0].PatientOrientationModifierCodeSequence = [common.code("40199007", "SCT", "supine")]
    ds.PatientGantryRelationshipCodeSequence = [common.code("102540008", "SCT", "headfirst")]
    injection.describe(ds)


def _frame(ds, number, injection, bed, duration):
    """When a slice was measured: `bed` counts from 0, each takes `duration` s (PS3.3 C.8.9.4)."""
    begin = bed * duration
    middle = begin + duration / 2
    ds.ImageIndex = ds.InstanceNumber = number
    ds.FrameReferenceTime, ds.ActualFrameDuration = common.number(1000 * middle), str(1000 * duration)
    ds.DecayFactor = common.number(1 / decayed(middle), 6)
    ds.AcquisitionDate, ds.AcquisitionTime = injection.date, common.clock_time(injection.series, begin)


def _pixels(ds, draws, suv, injection, grain):
    """Blur, noise, and the encoding in Bq/ml: each slice uses the whole range and has a slope of its own."""
    fine = drawing.blur(np.round(suv * 4096).astype(np.int64), 1, grain)
    value = fine / 4096.0
    noise = drawing.blur(np.round(drawing.normal(draws, suv.shape) * 4096).astype(np.int64), 1) / 4096.0
    noisy = value + 0.10 * np.sqrt(value) * noise
    activity = injection.concentration(np.clip(noisy, 0, None))
    slope = float(f"{activity.max() / 32767:.6g}")
    stored = np.minimum(np.round(activity / slope), 32767).astype(np.int16)
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.RescaleSlope, ds.RescaleIntercept = common.number(slope, 8), "0"
    common.encoding(ds, stored, 16, signed=True)


# --- chest and upper abdomen, with the CT in `ct_body`


class PetCt:
    """P5's PET/CT: body, slices and times, which CT and PET share."""

    DATE, START, STORY = "20250326", "085518", ("P5", "PETCT")
    INCREMENT, COUNT, TOP, BEDS, DURATION = 8.0, 38, 100.0, 3, 150

    def __init__(self, seed):
        self.seed, draws = seed, Draws(seed, "petct")
        self.study, self.accession = common.ordered(self.DATE, 51)
        self.frame = f"{self.study}.9"
        self.heights = [self.TOP - self.INCREMENT * (self.COUNT - 1 - place) for place in range(self.COUNT)]
        self.ct_time = common.clock_time(self.START, 95)
        self.injection = Injection(seed, "petct", self.DATE, "075210", 3985, 82, 318_000_000)
        if seed == 0:
            self.lesions = {"lesion": ((-70, -18, 36), 16, 9.2), "node": ((12, 14, -20), 13, 5.4)}
        else:
            self.lesions = {
                "lesion": (((1, -1)[draws.one(0, 1)] * draws.one(64, 76), draws.one(-24, -8), 36 + 8 * draws.one(-3, 2)),
                           draws.one(14, 17), draws.one(60, 130) / 10),
                "node": ((draws.one(6, 14), 14, -20), 13, draws.one(38, 56) / 10),
            }
        spheres = [(*centre, radius, tissue) for (centre, radius, _), tissue
                   in zip(self.lesions.values(), (torso.LESION, torso.NODE), strict=True)]
        self.body = torso.Torso(draws, 1.0, spheres)

    def identify(self, ds):
        common.story_person(ds, self.seed, "P5")
        ds.AccessionNumber, ds.StudyID, ds.StudyDescription = self.accession, "32651", "PET/CT WHOLE BODY FDG"
        ds.BodyPartExamined = "CHEST"
        ds.PatientWeight = common.number(self.injection.weight)


def _pt_torso(seed):
    exam, draws = PetCt(seed), Draws(seed, "pt_torso")
    lookup = _lookup(torso.TISSUES, {**TORSO_SUV, torso.LESION: exam.lesions["lesion"][2], torso.NODE: exam.lesions["node"][2]})
    size, spacing = 128, 4.0728
    x, y = drawing.grid(size, size, spacing)
    slices = []
    for place, z in enumerate(exam.heights):
        ds = common.dataset(PET_STORAGE, (exam.study, f"{exam.study}.4", f"{exam.study}.4.{place + 1}"), "PETCT1")
        exam.identify(ds)
        common.when(ds, exam.DATE, exam.START, exam.injection.series, exam.injection.series)
        _series_module(ds, "WHOLE BODY", exam.injection, exam.COUNT, "CT-derived mu-map")
        _frame(ds, place + 1, exam.injection, place * exam.BEDS // exam.COUNT, exam.DURATION)
        ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions = "Helio Systems", "Biscay 20", "VC30"
        ds.SeriesDescription, ds.ProtocolName = "PET AC", "FDG whole body"
        ds.SeriesNumber, ds.AcquisitionNumber = 4, 1
        common.axial(ds, x.shape, spacing, z, exam.INCREMENT, exam.frame)
        del ds.PatientPosition  # its place is taken by the Patient Orientation Code Sequence
        ds.SliceLocation = common.number(z)
        full = exam.injection.concentration(4.5)  # the liver a middle grey
        common.window(ds, round(full / 2), round(full))
        _pixels(ds, draws, lookup[exam.body.tissue(x, y, z, spacing)], exam.injection, 1)
        slices.append(ds)
    return slices


def _lookup(tissues, suv):
    table = np.zeros(tissues)
    for tissue, value in suv.items():
        table[tissue] = value
    return table


def _pt_torso_truth(seed):
    exam = PetCt(seed)
    return {
        **exam.injection.told(),
        "SUV": {"liver": TORSO_SUV[torso.LIVER], "lung": TORSO_SUV[torso.LUNG], "blood": TORSO_SUV[torso.BLOOD],
                **{name: suv for name, (_, _, suv) in exam.lesions.items()}},
        "lesions": {name: {"centre": centre, "radius": radius} for name, (centre, radius, _) in exam.lesions.items()},
        "beds": exam.BEDS, "slices": exam.COUNT, "increment": exam.INCREMENT, "story": exam.STORY,
    }


# --- the brain, with the MR in `mr`


def brain_injection(seed):
    return Injection(seed, "petmr", "20250402", "122030", 3150, 64, 212_000_000)


def _tumour_suv(seed):
    return 14.5 if seed == 0 else Draws(seed, "petmr uptake").one(125, 170) / 10


def _pt_brain(seed):
    exam, injection, draws = mr.PetMr(seed), brain_injection(seed), Draws(seed, "pt_brain")
    lookup = _lookup(brain.TISSUES, {**BRAIN_SUV, brain.TUMOUR: _tumour_suv(seed)})
    size, spacing = 128, 2.0863
    x, y = drawing.grid(size, size, spacing)
    slices = []
    for place, z in enumerate(exam.heights()):
        ds = common.dataset(PET_STORAGE, (exam.study, f"{exam.study}.4", f"{exam.study}.4.{place + 1}"), "PETMR1")
        exam.identify(ds)
        common.when(ds, "20250402", "130410", injection.series, injection.series)
        _series_module(ds, "STATIC", injection, exam.count, "MR-derived mu-map")
        _frame(ds, place + 1, injection, 0, 900)
        ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions = "Helio Systems", "Fjord PET/MR", "A3.1"
        ds.SeriesDescription, ds.ProtocolName = "PET AC", "FDG brain"
        ds.SeriesNumber, ds.AcquisitionNumber = 4, 1
        common.axial(ds, x.shape, spacing, z, exam.thickness, exam.frame)
        del ds.PatientPosition
        ds.SliceLocation = common.number(z)
        full = injection.concentration(15.0)
        common.window(ds, round(full / 2), round(full))
        _pixels(ds, draws, lookup[exam.head.tissue(x, y, z)], injection, 2)
        slices.append(ds)
    return slices


def _pt_brain_truth(seed):
    exam = mr.PetMr(seed)
    x, y, z, radius, _ = exam.tumour
    return {
        **brain_injection(seed).told(),
        "SUV": {"tumour": _tumour_suv(seed), "white matter": BRAIN_SUV[brain.WHITE]},
        "lesions": {"tumour": {"centre": (x, y, z), "radius": radius}},
        "beds": 1, "slices": exam.count, "increment": exam.increment,
    }


IMAGES = {"pt_torso": _pt_torso, "pt_brain": _pt_brain}
TRUTH = {"pt_torso": _pt_torso_truth, "pt_brain": _pt_brain_truth}
