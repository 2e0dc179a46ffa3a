"""Projection X-ray images: exposure index, noise, orientation and what is where, measured in the pixels."""

import hashlib
import math
import shutil
import subprocess
from functools import lru_cache

import numpy as np
import pytest

from coursekit.hospital import images, story
from coursekit.hospital.images import dx, mg, projection

SEEDS = pytest.mark.parametrize("seed", range(2))
VIEWS = ("mg_rcc", "mg_lcc", "mg_rmlo", "mg_lmlo")
NAMES = [*dx.IMAGES, *mg.IMAGES]


def _needs(tool):
    return pytest.mark.skipif(not shutil.which(tool), reason=f"{tool} is not installed: the objects were not judged by it")


@lru_cache(maxsize=None)
def _image(name, seed=0):
    """An image for tests that only read it."""
    return images.image(name, seed)


@lru_cache(maxsize=None)
def _truth(name, seed=0):
    return images.truth(name, seed)


@lru_cache(maxsize=None)
def _regions(name, seed=0):
    return images.regions(name, seed)


@pytest.fixture(scope="module", autouse=True)
def forgotten():
    """Hundreds of megabytes, which no other file needs."""
    yield
    _image.cache_clear()
    _truth.cache_clear()
    _regions.cache_clear()


def _part(pixels, place):
    a, b, c, d = place
    return pixels[a:b, c:d].astype(float)


# --- exposure


@SEEDS
def test_the_exposure_index_is_in_the_pixels(seed):
    ds, told = _image("dx_chest_pa_processing", seed), _truth("dx_chest_pa_processing", seed)
    kerma = np.median(_part(ds.pixel_array, told["relevant"])) / told["per_ugy"]  # µGy
    assert abs(100 * kerma - float(ds.ExposureIndex)) <= 1
    assert float(ds.DeviationIndex) == round(10 * math.log10(float(ds.ExposureIndex) / float(ds.TargetExposureIndex)), 1)
    shown = _image("dx_chest_pa", seed)
    for keyword in ("ExposureIndex", "TargetExposureIndex", "DeviationIndex", "KVP", "ExposureInuAs"):
        assert shown[keyword].value == ds[keyword].value


def test_the_deviation_index():
    assert [projection.deviation_index(index, 250) for index in (250, 500, 125, 2500)] == [0, 3.0, -3.0, 10]


@SEEDS
@pytest.mark.parametrize("name, share", [("dx_chest_pa_processing", 0.25), ("mg_lmlo_processing", 0.25)])
def test_the_noise_is_that_of_quanta(name, share, seed):
    """The variance is proportional to the mean; second differences leave out the slow course of the anatomy."""
    pixels, told = _image(name, seed).pixel_array, _truth(name, seed)
    measured = []
    for place, where in _regions(name, seed).items():
        values = _part(pixels, where)
        if place in ("mass", "open air"):
            continue  # grains of calcium; a saturated detector
        second = values[:, :-2] - 2 * values[:, 1:-1] + values[:, 2:]
        expected = values.mean() * told["per_ugy"] / told["quanta"]
        assert abs(second.var() / 6 / expected - 1) < share, place
        measured.append(values.mean())
    assert max(measured) > 1.3 * min(measured), "more than one brightness was tried"


@pytest.mark.parametrize("name, source", [("dx_chest_pa", "dx_chest_pa_processing"), ("mg_lmlo", "mg_lmlo_processing")])
def test_the_pair_of_an_exposure(name, source):
    shown, raw = _image(name), _image(source)
    assert (shown.PresentationIntentType, raw.PresentationIntentType) == ("FOR PRESENTATION", "FOR PROCESSING")
    assert shown.SourceImageSequence[0].ReferencedSOPInstanceUID == raw.SOPInstanceUID
    assert shown.SourceImageSequence[0].ReferencedSOPClassUID == raw.SOPClassUID
    assert shown.StudyInstanceUID == raw.StudyInstanceUID and shown.SeriesInstanceUID != raw.SeriesInstanceUID
    assert (raw.PixelIntensityRelationship, raw.PixelIntensityRelationshipSign) == ("LIN", 1)
    assert (shown.PixelIntensityRelationship, shown.PixelIntensityRelationshipSign) == ("LOG", -1)
    assert "WindowCenter" not in raw and shown.PixelData != raw.PixelData
    places = [place for kind, place in _regions(name).items() if kind != "open air"]
    means = [[_part(ds.pixel_array, place).mean() for place in places] for ds in (shown, raw)]
    assert np.corrcoef(means)[0, 1] < -0.9, "what let more through is darker"
    assert _truth(name)["partner"] == source and _truth(source)["partner"] == name


# --- chest and hand


@SEEDS
def test_the_heart_is_on_the_right_of_the_picture(seed):
    ds, told = _image("dx_chest_pa", seed), _truth("dx_chest_pa", seed)
    assert list(ds.PatientOrientation) == ["L", "F"] == list(told["orientation"]) and ds.ViewPosition == "PA"
    row, column = told["places"]["left ventricle"]
    heart, lung = (ds.pixel_array[row - 10 : row + 11, at - 10 : at + 11].mean() for at in (column, ds.Columns - column))
    assert heart > lung + 400
    # The marker: the brightest of the corners, and an L is heavier on its left.
    corner = ds.pixel_array[40:100, ds.Columns - 130 : ds.Columns] > 3000
    assert corner.any() and not (ds.pixel_array[40:100, :130] > 3000).any()
    columns = corner.any(axis=0).nonzero()[0]
    middle = (columns[0] + columns[-1]) // 2
    assert corner[:, :middle].sum() > 1.5 * corner[:, middle:].sum()
    for name in ("right lung", "left lung"):
        row, column = told["places"][name]
        assert ds.pixel_array[row - 10 : row + 11, column - 10 : column + 11].mean() < heart - 200


@SEEDS
def test_the_diaphragm_is_where_the_truth_says(seed):
    ds, told = _image("dx_chest_pa", seed), _truth("dx_chest_pa", seed)
    for name in ("right dome", "left dome"):
        row, column = told["places"][name]
        profile = ds.pixel_array[row - 40 : row + 41, column - 4 : column + 5].mean(axis=1)
        assert profile[60:].mean() > profile[:20].mean() + 500, "lung above, belly below"
        assert abs(int(np.argmax(profile[5:] - profile[:-5])) + 2 - 40) <= 8, name
    assert 0.40 < told["cardiothoracic"] < 0.52


@SEEDS
def test_the_lateral_view(seed):
    ds, told = _image("dx_chest_lat", seed), _truth("dx_chest_lat", seed)
    assert list(ds.PatientOrientation) == ["P", "F"] and ds.ViewPosition == "LL"
    assert ds.ViewCodeSequence[0].CodeValue == "399173006"

    def mean(name):
        row, column = told["places"][name]
        return ds.pixel_array[row - 6 : row + 7, column - 6 : column + 7].mean()

    assert mean("heart") > mean("retrosternal space") + 250 and mean("heart") > mean("retrocardiac space") + 250
    front, back = _image("dx_chest_pa", seed), ds
    assert front.StudyInstanceUID == back.StudyInstanceUID and front.SeriesInstanceUID != back.SeriesInstanceUID


@SEEDS
def test_the_hand_has_its_bones(seed):
    ds, told = _image("dx_hand", seed), _truth("dx_hand", seed)
    assert ds.ImageLaterality == told["side"] and list(ds.PatientOrientation) == ["L", "H"]
    soft = _part(ds.pixel_array, _regions("dx_hand", seed)["soft tissue"]).mean()
    assert len(told["places"]) == 5 + 14 + 8
    for name, (row, column) in told["places"].items():
        if name.startswith("distal"):
            continue  # thinner than the palm
        assert ds.pixel_array[row - 2 : row + 3, column - 2 : column + 3].mean() > soft + 150, name
    thumb, little = told["places"]["distal phalanx 1"][1], told["places"]["distal phalanx 5"][1]
    assert (thumb > little) == (told["side"] == "L"), "from behind, a left hand's thumb is on the right"


@SEEDS
def test_the_joints_of_the_hand_are_narrow(seed):
    """Along the middle finger, joint by joint: how long the ray meets no bone."""
    ds, hand = _image("dx_hand", seed), dx._hand(seed)[0]
    bones = [dx.LONG_BONES[f"{name} 3"] for name in ("metacarpal", "proximal phalanx", "middle phalanx", "distal phalanx")]
    for (_, head, *_), (base, end, *_) in zip(bones, bones[1:], strict=False):
        way = np.array(end) - np.array(base)
        points = [hand.pixel(*(np.array(head) + way / np.hypot(*way) * mm)) for mm in np.arange(-5, 7, 0.25)]
        profile = np.array([ds.pixel_array[row - 1 : row + 2, column - 3 : column + 4].mean() for row, column in points])
        gap = profile < (profile.min() + np.median(profile)) / 2
        assert 0.5 <= 0.25 * gap.sum() <= 2.5


def test_both_hands_occur():
    assert {_truth("dx_hand", seed)["side"] for seed in (0, 1)} == {"L", "R"}


# --- breasts


@pytest.mark.parametrize("name", VIEWS)
def test_the_chest_wall_lies_where_the_orientation_says(name):
    ds, told = _image(name), _truth(name)
    tissue = ds.pixel_array > 100
    left, right = tissue[200:700, 0].mean(), tissue[200:700, -1].mean()
    row, column = told["places"]["nipple"]
    if told["side"] == "R":
        assert told["chest_wall"] == "right" and right > 0.9 and left == 0 and ds.PatientOrientation[0] == "P"
        assert tissue[row, column + 2] and not tissue[row, : column - 60].any()
    else:
        assert told["chest_wall"] == "left" and left > 0.9 and right == 0 and ds.PatientOrientation[0] == "A"
        assert tissue[row, column - 2] and not tissue[row, column + 60 :].any()
    # Down the image: to the middle of the body in the CC view, to the foot and the middle in the MLO view.
    middle = "L" if told["side"] == "R" else "R"
    assert ds.PatientOrientation[1] == (middle if told["view"] == "CC" else "F" + middle)
    assert (ds.ImageLaterality, ds.ViewPosition) == (told["side"], told["view"])
    assert ds.ViewCodeSequence[0].CodeValue == {"CC": "399162004", "MLO": "399368009"}[told["view"]]
    assert ds.ViewCodeSequence[0].ViewModifierCodeSequence == []
    assert float(ds.OrganDose) * 100 == pytest.approx(told["organ_dose"]), "dGy and mGy"


@pytest.mark.parametrize("name", VIEWS)
def test_the_open_beam_is_black_and_fat_is_not(name):
    ds = _image(name)
    center, width = float(ds.WindowCenter), float(ds.WindowWidth)
    grey = {place: 255 / (1 + math.exp(-4 * (_part(ds.pixel_array, where).mean() - center) / width))  # PS3.3 C.11.2.1.3.1
            for place, where in _regions(name).items()}
    assert ds.VOILUTFunction == "SIGMOID" and grey["open air"] < 3 and 8 < grey["fat"] < 130


def test_the_muscle_is_in_the_oblique_views_only():
    for name in VIEWS:
        wall = _image(name).pixel_array[60:160]
        wall = wall[:, :60] if _truth(name)["chest_wall"] == "left" else wall[:, -60:]
        assert (wall.mean() > 2200) == ("pectoral muscle" in _truth(name)["places"]) == name.endswith("mlo")


@SEEDS
def test_the_mass_lies_as_far_behind_the_nipple_in_both_views(seed):
    for name in ("mg_lcc", "mg_lmlo"):
        ds, told = _image(name, seed), _truth(name, seed)
        (_, nipple), (row, column) = told["places"]["nipple"], told["places"]["mass"]
        assert abs((nipple - column) * told["spacing"] - told["behind"]) <= told["spacing"]
        assert row < told["places"]["nipple"][0], "outer, upper"
        half = round(told["mass"] / 2 / told["spacing"])
        values = ds.pixel_array[row - 3 * half : row + 3 * half + 1, column - 3 * half : column + 3 * half + 1].astype(float)
        away = np.hypot(*np.indices(values.shape) - 3 * half)
        assert values[away < 0.7 * half].mean() > values[(away > 1.3 * half) & (away < 1.8 * half)].mean() + 250, name
        # The grains: specks that stand out of the mean around them.
        padded = np.pad(values, 2, mode="edge")
        around = sum(padded[a : a + values.shape[0], b : b + values.shape[1]] for a in range(5) for b in range(5)) / 25
        specks = (values - around > 5 * np.median(np.abs(values - around))) & (away < 2 * half)
        assert specks.sum() >= told["grains"] // 2, name
    assert "mass" not in _truth("mg_rcc", seed)["places"]


def test_the_woman_is_the_storys():
    for name, seed in (*((name, 0) for name in VIEWS), ("dbt_lmlo", 0), ("mg_lcc", 1), ("dbt_lmlo", 1)):
        ds = _image(name, seed)
        assert (str(ds.PatientName), ds.PatientID) == (story.people(seed)["P2"][0], story.people(seed)["P2"][3])
    assert len({_image(name).StudyInstanceUID for name in (*VIEWS, "dbt_lmlo")}) == 1
    assert len({_image(name).SOPInstanceUID for name in VIEWS}) == 4


# --- tomosynthesis


@SEEDS
def test_the_mass_is_sharp_in_one_slice(seed):
    ds, told = _image("dbt_lmlo", seed), _truth("dbt_lmlo", seed)
    assert ds.NumberOfFrames == told["slices"] == len(ds.PerFrameFunctionalGroupsSequence)
    a, b, c, d = _regions("dbt_lmlo", seed)["calcifications"]
    frames = ds.pixel_array[:, a:b, c:d].astype(float)
    # Smearing runs down the image: sharpness is the steepness from row to row.
    steep = np.square(np.diff(frames, axis=1)).mean(axis=(1, 2))
    assert abs(int(np.argmax(steep)) + 1 - told["sharp"]) <= 1
    assert steep[told["sharp"] - 1] > 2.5 * np.median(steep)
    a, b, c, d = _regions("dbt_lmlo", seed)["mass"]
    bright = ds.pixel_array[:, a:b, c:d].mean(axis=(1, 2))
    assert bright[told["sharp"] - 1] > np.median(bright) + 250


def test_the_slices_are_parallel_to_the_detector():
    ds, told = _image("dbt_lmlo"), _truth("dbt_lmlo")
    shared = ds.SharedFunctionalGroupsSequence[0]
    along, down = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float).reshape(2, 3)
    assert (along == (0, -1, 0)).all(), "rows lead to the front"
    assert down[0] < 0 and down[2] < 0 and down[1] == 0, "columns lead down and to the right: FR"
    normal = np.cross(along, down)
    places = np.array([[float(v) for v in frame.PlanePositionSequence[0].ImagePositionPatient]
                       for frame in ds.PerFrameFunctionalGroupsSequence])
    steps = np.diff(places @ normal)
    spacing = float(shared.PixelMeasuresSequence[0].SpacingBetweenSlices)
    assert np.allclose(steps, spacing, atol=1e-3) and spacing == told["increment"]
    assert np.abs(np.diff(places @ along)).max() < 1e-3 and np.abs(np.diff(places @ down)).max() < 1e-3
    stack = [frame.FrameContentSequence[0].InStackPositionNumber for frame in ds.PerFrameFunctionalGroupsSequence]
    assert stack == list(range(1, told["slices"] + 1))
    assert shared.FrameAnatomySequence[0].FrameLaterality == "L"


# --- all


def test_the_default_edition_stays_as_it_is():
    assert {name: hashlib.sha256(_image(name).PixelData).hexdigest()[:12] for name in NAMES} == DIGESTS


DIGESTS = {
    "dx_chest_pa": "65d0a1bf7196",
    "dx_chest_lat": "7611319cb2d1",
    "dx_chest_pa_processing": "fa9e3705604c",
    "dx_hand": "fb09cd20cf19",
    "mg_rcc": "60215a27776e",
    "mg_lcc": "e4741f4f1925",
    "mg_rmlo": "a0e4550ffbba",
    "mg_lmlo": "1e186efc6fcf",
    "mg_lmlo_processing": "1dffc1bfdf1e",
    "dbt_lmlo": "84827de70bfa",
}


@pytest.mark.parametrize("name", NAMES)
@_needs("dciodvfy")
def test_dciodvfy_says_nothing_but_the_kind(name, tmp_path):
    """But for the example UID root, and the views of mammography, which View Position has no defined terms for."""
    _image(name).save_as(tmp_path / "one.dcm", enforce_file_format=True)
    ran = subprocess.run(["dciodvfy", "one.dcm"], cwd=tmp_path, capture_output=True, text=True)
    lines = [line for line in ran.stderr.splitlines()
             if not line.startswith('Error - Inappropriate example root for UID - "2.999.') and "<View Position>" not in line]
    kind = "BreastTomosynthesisImage" if name.startswith("dbt") else (
        ("Mammography" if name.startswith("mg") else "DX") + "ImageFor" + ("Processing" if "processing" in name else "Presentation"))
    assert lines == [kind]


@pytest.mark.parametrize("name", ["dx_chest_lat", "mg_lcc", "dbt_lmlo"])
@_needs("dcm2pnm")
def test_dcmtk_draws_it(name, tmp_path):
    _image(name).save_as(tmp_path / "one.dcm", enforce_file_format=True)
    window = [] if name == "dbt_lmlo" else ["+Wi", "1"]
    ran = subprocess.run(["dcm2pnm", *window, "+op", "one.dcm", "one.pgm"], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0 and not [line for line in ran.stderr.splitlines() if line.startswith(("E:", "W:", "F:"))]
    picture = np.frombuffer((tmp_path / "one.pgm").read_bytes()[-200_000:], np.uint8)
    assert picture.max() > picture.min() + 40
