"""Images that the hospital's devices made: complete DICOM objects with pixels drawn by arithmetic.

Nothing here is of a patient. Each modality has a module with

    IMAGES  = {name: function(seed) -> Dataset, or list of Datasets in slice order}
    REGIONS = {name: function(seed) -> {place: (first row, row after the last, first column, column after the last)}}
    TRUTH   = {name: function(seed) -> dict of what is true of the image, which its pixels show}

of which the last two may be missing. A module is imported when one of its images is asked for; `CATALOGUE` says which
names it has, so that asking for them loads nothing heavy.
"""

import copy
import importlib
from functools import lru_cache

# module: {name: what it is}. Further modules add a line each; a test compares with what the modules have.
CATALOGUE = {
    "ct": {
        "ct_head": "a slice of a head CT with a subdural haematoma, signed, with padding outside the scan circle",
        "ct_head_rle": "the same slice as the router passed it on: RLE compressed",
    },
    "ct_qc": {
        "ct_qc_smooth": "the CT's weekly phantom scan, three slices (inserts, water, bars): smooth kernel, 240 mAs",
        "ct_qc_sharp": "the same measurement reconstructed with a sharp kernel",
        "ct_qc_smooth_low": "the phantom at 60 mAs, smooth kernel",
        "ct_qc_sharp_low": "the phantom at 60 mAs, sharp kernel",
    },
    "ct_body": {
        "ct_chest": "a chest CT with contrast, 22 slices of 10 mm, with a lung nodule",
        "ct_pet": "the low-dose CT of a PET/CT, 38 slices, in the frame of reference of pt_torso",
    },
    "mr": {
        "mr_brain_t1": "spin echoes of a brain with a tumour at 1.5 T, 11 slices, T1-weighted",
        "mr_brain_t2": "the same slices, T2-weighted",
        "mr_brain_pd": "the same slices, weighted by proton density",
        "mr_pet": "T1-weighted spin echoes of a PET/MR at 3 T, 19 slices, in the frame of reference of pt_brain",
    },
    "nm": {
        "nm_bone": "a whole-body bone scan, anterior and posterior frame, Poisson counts, with hot lesions",
        "nm_flood": "the gamma camera's daily flood of a cobalt-57 sheet, one frame, Poisson counts",
    },
    "pt": {
        "pt_torso": "FDG PET of chest and upper abdomen, 38 slices in Bq/ml, with a hot lung lesion and a hot node",
        "pt_brain": "FDG PET of a brain, 19 slices in Bq/ml, with a hot tumour",
    },
    "cr": {
        "cr_chest_pa": "a chest radiograph, MONOCHROME1, 12 bits",
    },
    "dx": {
        "dx_chest_pa": "a digital chest radiograph from the front, with exposure index",
        "dx_chest_lat": "the left lateral view of the same chest",
        "dx_chest_pa_processing": "what the detector measured for dx_chest_pa: For Processing, proportional to the dose",
        "dx_hand": "a hand, postero-anterior",
    },
    "mg": {
        "mg_rcc": "a mammogram, right cranio-caudal",
        "mg_lcc": "the left cranio-caudal view, with a mass and microcalcifications",
        "mg_rmlo": "the right medio-lateral oblique view",
        "mg_lmlo": "the left medio-lateral oblique view, with the same mass",
        "mg_lmlo_processing": "what the detector measured for mg_lmlo: For Processing, proportional to the dose",
        "dbt_lmlo": "a tomosynthesis of the left oblique view, 12 frames, the mass sharp in one",
    },
    "sr_dose": {
        "sr_dose_ct": "the X-ray radiation dose report of ct_chest: a structured report, no image",
    },
    "us": {
        "us_ob_cine": "an obstetric ultrasound clip, RGB, several frames",
        "us_abdomen": "a B-mode still of liver, gallbladder with a stone and kidney, one calibrated region",
        "us_carotid": "a colour Doppler still with a spectrum, RGB, three regions with calibrations of their own",
    },
    "xa": {
        "xa_coronary": "a run of the left coronary artery with a narrowing, 14 frames, 8 bits, logarithmic, at 7.5 frames/s",
        "xa_dsa": "a run for subtraction: the arteries at a knee, 10 frames of which 2 are masks, 12 bits, linear",
    },
    "rf": {
        "rf_swallow": "fluoroscopy of a barium swallow from the side, 16 frames at 15 frames/s",
    },
    "ivus": {
        "ivus_pullback": "an intravascular ultrasound pullback through the narrowing of xa_coronary",
    },
    "ivoct": {
        "ivoct_pullback": "an optical coherence tomography pullback through the same narrowing, 11 frames",
    },
    "ko": {
        "ko_of_interest": "key object selection: two slices of ct_chest flagged by the reader",
        "ko_quality": "key object selection: plate_artefact flagged for its quality",
        "ko_rejected": "key object selection: us_carotid withdrawn, an incorrect worklist entry",
        "ko_manifest": "key object selection: the XDS-I manifest of Case 17, all its objects",
    },
    "pr": {
        "pr_ct_chest": "presentation state for ct_chest: lung window, magnified, circle and arrow at the nodule",
        "pr_cr_chest": "presentation state for cr_chest_pa: mirrored, for MONOCHROME1",
    },
    "pdf": {
        "pdf_report": "the report of ct_chest: a PDF page encapsulated in DICOM",
    },
    "xc": {
        "xc_wound": "a photograph of a wound with a ruler, RGB, without an order",
    },
    "patterns": {
        "pattern_qc": "display test pattern, 8 bits: patches, ramps, line pairs, fading letters, 5 % in black and white",
        "pattern_ln": "18 luminance patches for the photometer, a frame each",
        "pattern_uniform": "two uniform frames, dark and bright",
        "pattern_grid": "grid and circle for the geometry of a display",
        "pattern_smpte": "steps of 10 % with 5 % in black and 95 % in white",
    },
    "plates": {
        "plate_uniform": "a plate reader's flat field at 8 µGy, linear, MONOCHROME1, with heel effect",
        "plate_uniform_low": "the flat field at 2 µGy",
        "plate_lines": "line pairs, a slanted edge and discs of falling contrast and size",
        "plate_mesh": "a wire mesh with a patch of bad contact",
        "plate_ghost": "a badly erased plate: the hand before it still shows",
        "plate_artefact": "a plate with specks of dust, a scratch, a roller line and a lost scan line",
    },
}


def names():
    """The names of all images: a list, by modality."""
    return [name for images in CATALOGUE.values() for name in images]


def image(name, seed=0):
    """An image of the hospital as a complete pydicom FileDataset, or a series as a list of them in slice order.

    Each call gives new objects. What the names stand for is in `CATALOGUE`; what is true of the pixels, in `truth`.

    name : one of `names()`
    seed : the edition
    Raises ValueError when there is no such name.
    """
    return copy.deepcopy(_made(name, seed))


def regions(name, seed=0):
    """Named places in an image, each (first row, row after the last, first column, column after the last)."""
    found = getattr(_module(name), "REGIONS", {}).get(name)
    if found is None:
        raise ValueError(f"no places are named in {name!r}")
    return found(seed)


def truth(name, seed=0):
    """What is true of an image: a dict; its keys are described in the module of the modality. Empty if nothing is told."""
    found = getattr(_module(name), "TRUTH", {}).get(name)
    return found(seed) if found else {}


@lru_cache(maxsize=8)
def _made(name, seed):
    return _module(name).IMAGES[name](seed)


def _module(name):
    """The module that makes the image `name`."""
    for module, images in CATALOGUE.items():
        if name in images:
            return importlib.import_module(f"{__name__}.{module}")
    raise ValueError(f"there is no image {name!r}; there are {', '.join(names())}")
