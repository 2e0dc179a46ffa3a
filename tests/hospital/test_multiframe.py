"""Angiograms, fluoroscopy and intravascular pullbacks: each obeys its header, and all see one narrowing."""

import hashlib
import shutil
import subprocess
from functools import lru_cache

import numpy as np
import pytest

from coursekit.hospital import images
from coursekit.hospital.images import coronary

NAMES = ("xa_coronary", "xa_dsa", "rf_swallow", "ivus_pullback", "ivoct_pullback")
NARROWED = ("xa_coronary", "ivus_pullback", "ivoct_pullback")
SEEDS = pytest.mark.parametrize("seed", range(3))
KINDS = {"xa_coronary": "XAImage", "xa_dsa": "XAImage", "rf_swallow": "XRFImage", "ivus_pullback": "USMultiFrameImage",
         "ivoct_pullback": "IVOCTImage"}


@lru_cache(maxsize=None)
def _image(name, seed=0):
    """An image, for tests that only read it."""
    return images.image(name, seed)


@pytest.fixture(scope="module", autouse=True)
def forgotten():
    """Hundreds of megabytes, which no other file needs."""
    yield
    _image.cache_clear()


def _needs(tool):
    return pytest.mark.skipif(not shutil.which(tool), reason=f"{tool} is not installed: the objects were not judged by it")


def _at(picture, row, column):
    """Values at fractional rows and columns (arrays), by linear interpolation."""
    r, c = np.floor(row).astype(int), np.floor(column).astype(int)
    v, u = row - r, column - c
    upper = picture[r, c] * (1 - u) + picture[r, c + 1] * u
    return upper * (1 - v) + (picture[r + 1, c] * (1 - u) + picture[r + 1, c + 1] * u) * v


# --- all of them


@pytest.mark.parametrize("name", NAMES)
def test_frames_and_size(name):
    ds = _image(name)
    assert ds.pixel_array.shape == (ds.NumberOfFrames, ds.Rows, ds.Columns) and 10 <= ds.NumberOfFrames <= 20
    assert len(ds.PixelData) < 4e6 and ds.pixel_array.max() < 2**ds.BitsStored
    assert all(frame.std() > 15 for frame in ds.pixel_array), "no frame is empty"
    assert len({frame.tobytes() for frame in ds.pixel_array}) == ds.NumberOfFrames


def test_the_default_edition_stays_as_it_is():
    """A change here changes the committed notebooks: author them anew."""
    assert {name: hashlib.sha256(_image(name).PixelData).hexdigest()[:12] for name in NAMES} == DIGESTS


DIGESTS = {
    "xa_coronary": "6b068d68a0ae",
    "xa_dsa": "2bca52db923d",
    "rf_swallow": "14eed5d82a5e",
    "ivus_pullback": "d999653636f3",
    "ivoct_pullback": "bb7e083d5ae2",
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", (0, 2))
@_needs("dciodvfy")
def test_dciodvfy_has_nothing_to_say(name, seed, tmp_path):
    """But for the UID root: 2.999 is the arc for examples."""
    _image(name, seed).save_as(tmp_path / "one.dcm", enforce_file_format=True)
    ran = subprocess.run(["dciodvfy", "one.dcm"], cwd=tmp_path, capture_output=True, text=True)
    lines = [line for line in ran.stderr.splitlines()
             if not line.startswith('Error - Inappropriate example root for UID - "2.999.')]
    assert lines == [KINDS[name]]


@pytest.mark.parametrize("name", NAMES)
@_needs("dcm2pnm")
def test_dcmtk_shows_the_stored_values(name, tmp_path):
    """DCMTK too applies no Modality LUT to an angiogram: it leads to intensity, not to the screen."""
    ds = _image(name, 1)
    ds.save_as(tmp_path / "one.dcm", enforce_file_format=True)
    frame = ds.NumberOfFrames // 2
    subprocess.run(["dcm2pnm", "+op", "+F", str(frame), "+Ww", str(2 ** (ds.BitsStored - 1)), str(2**ds.BitsStored), "one.dcm", "one.pgm"],
                   cwd=tmp_path, check=True, capture_output=True)
    data = (tmp_path / "one.pgm").read_bytes()
    shown = np.frombuffer(data[-ds.Rows * ds.Columns :], np.uint8).reshape(ds.Rows, ds.Columns).astype(int)
    assert np.abs(shown - (ds.pixel_array[frame - 1].astype(int) >> (ds.BitsStored - 8))).max() <= 1


# --- one narrowing, three instruments


@SEEDS
def test_three_instruments_see_one_narrowing(seed):
    told = [images.truth(name, seed) for name in NARROWED]
    for key in coronary.Artery(seed).told():
        assert len({str(one[key]) for one in told}) == 1, key
    one = told[0]
    assert abs(one["MLA"] - np.pi / 4 * one["MLD"] ** 2) < 0.001
    assert abs(one["area_stenosis"] - 100 * (1 - one["MLA"] / one["reference_area"])) < 0.1
    objects = [_image(name, seed) for name in NARROWED]
    assert len({(str(ds.PatientID), str(ds.PatientName), ds.StudyDate) for ds in objects}) == 1
    assert len({ds.StudyInstanceUID for ds in objects}) == len({ds.AccessionNumber for ds in objects}) == 3
    assert [ds.Modality for ds in objects] == ["XA", "IVUS", "IVOCT"]
    assert sorted(ds.StudyTime for ds in objects) == [ds.StudyTime for ds in objects]


def _radius(picture, middle, spacing, wire):
    """The radius around `middle`, mm, at which it becomes brighter than blood or flush; neither near the wire nor the catheter."""
    directions = np.radians([(wire + 180 + turn) % 360 for turn in range(-120, 121, 3)])
    steps = np.arange(0.4, 2.2, 0.01)
    rings = []
    for r in steps:
        rows, columns = middle[0] - np.cos(directions) * r / spacing, middle[1] + np.sin(directions) * r / spacing
        clear = np.hypot(rows - (len(picture) - 1) / 2, columns - (len(picture) - 1) / 2) * spacing > 0.58
        rings.append(_at(picture, rows[clear], columns[clear]).mean() if clear.sum() > 8 else 0.0)
    return steps[2:-2][int(np.argmax(np.convolve(rings, np.ones(5) / 5, mode="valid") > 70))]


@SEEDS
@pytest.mark.parametrize("name", ("ivus_pullback", "ivoct_pullback"))
def test_the_pullback_shows_the_lumen_that_is_told(name, seed):
    ds, told = _image(name, seed), images.truth(name, seed)
    areas = []
    for frame, (_, diameter, area) in enumerate(told["frames"]):
        found = _radius(ds.pixel_array[frame].astype(float), told["middle"][frame], told["spacing"], told["wire"][frame])
        assert abs(found - diameter / 2) < 0.09, (frame + 1, found, diameter)
        areas.append(np.pi * found * found)
        assert abs(area - np.pi / 4 * diameter**2) < 0.01
    assert abs(int(np.argmin(areas)) + 1 - told["peak"]) <= 1
    assert abs(told["frames"][told["peak"] - 1][0] - told["lesion"]) <= told["step"] / 2
    assert abs(min(areas) - told["MLA"]) < 0.25


@SEEDS
def test_the_ultrasound_pullback_is_calibrated(seed):
    ds, told = _image("ivus_pullback", seed), images.truth("ivus_pullback", seed)
    region = ds.SequenceOfUltrasoundRegions[0]
    assert ds.SOPClassUID == "1.2.840.10008.5.1.4.1.1.3.1" and ds.Modality == "IVUS" and ds.IVUSAcquisition == "MOTOR_PULLBACK"
    assert region.PhysicalUnitsXDirection == 3 and abs(10 * region.PhysicalDeltaX - told["spacing"]) < 1e-9
    moving = ds.IVUSPullbackStopFrameNumber - ds.IVUSPullbackStartFrameNumber
    assert abs(float(ds.IVUSPullbackRate) * float(ds.FrameTime) / 1000 * moving - told["length"]) < 1e-6
    places = [place for place, *_ in told["frames"]]
    assert places[: told["start"]] == [places[0]] * told["start"] and len(set(places)) == moving + 1
    assert places[told["stop"] - 1 :] == [places[-1]] * (ds.NumberOfFrames - told["stop"] + 1)
    assert abs(places[0] - places[-1] - told["length"]) < 0.01


@SEEDS
def test_the_light_pullback_is_calibrated(seed):
    ds, told = _image("ivoct_pullback", seed), images.truth("ivoct_pullback", seed)
    shared, frames = ds.SharedFunctionalGroupsSequence[0], ds.PerFrameFunctionalGroupsSequence
    spacing = float(shared.PixelMeasuresSequence[0].PixelSpacing[0])
    assert abs(spacing - told["spacing"]) < 1e-7
    assert abs(ds.RangingDepth / told["index"] / (ds.Columns / 2) - spacing) < 1e-7
    assert abs(ds.ALineRate / ds.ALinesPerFrame - ds.CatheterRotationalRate) < 1e-9
    seconds = [float(str(one.FrameContentSequence[0].FrameAcquisitionDateTime)[12:]) for one in frames]
    assert len(frames) == ds.NumberOfFrames
    assert np.allclose(np.diff(seconds) * float(ds.IVUSPullbackRate), told["step"])
    assert abs(float(ds.IVUSPullbackRate) / ds.CatheterRotationalRate - told["step"]) > 0.1, "not every revolution was stored"
    assert [one.FrameContentSequence[0].InStackPositionNumber for one in frames] == list(range(1, ds.NumberOfFrames + 1))


@SEEDS
def test_a_bright_cap_lies_over_the_lipid(seed):
    ds, told = _image("ivoct_pullback", seed), images.truth("ivoct_pullback", seed)
    middle, diameter = told["middle"][told["peak"] - 1], told["frames"][told["peak"] - 1][1]
    turns = np.radians(told["plaque"] + np.arange(-12, 13))

    def depth(mm):
        r = (diameter / 2 + mm) / told["spacing"]
        return _at(ds.pixel_array[told["peak"] - 1].astype(float), middle[0] - np.cos(turns) * r, middle[1] + np.sin(turns) * r).mean()

    assert 0.05 < told["cap"] < 0.2
    cap, behind = np.mean([depth(told["cap"] * part) for part in (0.4, 0.6, 0.8)]), np.mean([depth(told["cap"] + mm) for mm in (0.3, 0.4)])
    assert cap > 2.5 * behind


@pytest.mark.parametrize("name", ("ivus_pullback", "ivoct_pullback"))
def test_the_wire_throws_a_shadow(name):
    ds, told = _image(name), images.truth(name)
    middle = (ds.Rows - 1) / 2
    for frame in (0, ds.NumberOfFrames - 1):
        reach = (told["frames"][frame][1] + 0.5) / told["spacing"]
        picture = ds.pixel_array[frame].astype(float)

        def along(degrees, picture=picture, reach=reach):
            turns = np.radians(degrees + np.arange(-2, 3))
            return np.mean([_at(picture, middle - np.cos(turns) * (reach + n), middle + np.sin(turns) * (reach + n)).mean()
                            for n in range(12)])

        assert along(told["wire"][frame]) < 0.5 * min(along(told["wire"][frame] + 45), along(told["wire"][frame] - 45))


# --- the angiogram


def _moved(told, frame):
    down, right = told["moves"][frame]
    return told["stenosis"][0] + down, told["stenosis"][1] + right


def _area(ds, told, frame, ahead):
    """mm² of contrast across the artery `ahead` mm downstream of the narrowing, from what the frame lacks to the first one."""
    row, column = _moved(told, frame)
    down, right = told["axis"]
    total = 0.0
    for along in np.arange(-1, 2) + ahead / told["spacing"]:
        side = np.arange(-16, 17)
        rows, columns = row + down * along - right * side, column + right * along + down * side
        lacks = _at(ds.pixel_array[0].astype(float), rows, columns) - _at(ds.pixel_array[frame].astype(float), rows, columns)
        lacks -= np.linspace(lacks[:4].mean(), lacks[-4:].mean(), len(lacks))
        total += lacks.sum() / told["log"] / told["mu"] * told["spacing"] / 3
    return total


@SEEDS
def test_the_narrowing_measured_by_its_contrast(seed):
    ds, told = _image("xa_coronary", seed), images.truth("xa_coronary", seed)
    full = [frame for frame, value in enumerate(told["contrast"]) if value > 0.98]
    assert told["peak"] - 1 in full
    narrow = np.mean([_area(ds, told, frame, 0.0) for frame in full])
    wide = np.mean([_area(ds, told, frame, -6.5) for frame in full])
    assert abs(narrow - told["MLA"]) < 0.35 * told["MLA"], narrow
    assert narrow < 0.45 * wide
    assert abs(float(ds.ImagerPixelSpacing[0]) / float(ds.EstimatedRadiographicMagnificationFactor) - told["spacing"]) < 1e-4
    assert abs(float(ds.DistanceSourceToDetector) / float(ds.DistanceSourceToPatient) - told["magnification"]) < 1e-4
    assert "PixelSpacing" not in ds, "nobody calibrated it at the catheter"


@SEEDS
def test_the_bolus_comes_and_goes(seed):
    ds, told = _image("xa_coronary", seed), images.truth("xa_coronary", seed)
    contrast = np.array(told["contrast"])
    assert contrast[0] == 0 and contrast.max() > 0.98 and contrast[-1] < 0.3
    darkness = []
    for frame in range(ds.NumberOfFrames):
        row, column = (int(round(value)) for value in _moved(told, frame))
        darkness.append(ds.pixel_array[0].astype(float)[row - 1 : row + 2, column - 1 : column + 2].mean()
                        - ds.pixel_array[frame].astype(float)[row - 1 : row + 2, column - 1 : column + 2].mean())
    assert np.corrcoef(darkness, contrast)[0, 1] > 0.93


def test_the_modality_lut_leads_back_to_intensity():
    ds, told = _image("xa_coronary"), images.truth("xa_coronary")
    assert ds.PixelIntensityRelationship == "LOG"
    item = ds.ModalityLUTSequence[0]
    lut = np.frombuffer(item.LUTData, "<u2")
    assert list(item.LUTDescriptor) == [256, 0, 16] and len(lut) == 256 and lut[255] == 65535
    steps = np.arange(100, 255)
    assert np.abs(np.log(lut[steps + 1] / lut[steps]) - 1 / told["log"]).max() < 0.001
    assert float(ds.FrameTime) == told["frame_time"] and ds.FrameIncrementPointer == 0x00181063


# --- subtraction


def _subtracted(ds, told, frame, log=True):
    values = ds.pixel_array.astype(float)
    values = np.log(values) if log else values
    mask = values[np.array(told["masks"]) - 1].mean(axis=0)
    return mask - values[frame]


def _shifted(picture, down, right):
    """The picture moved down and to the right, by linear interpolation, without its rim of 8 pixels."""
    rows, columns = np.meshgrid(np.arange(8, picture.shape[0] - 8), np.arange(8, picture.shape[1] - 8), indexing="ij")
    return _at(picture, rows - down, columns - right)


@SEEDS
def test_only_logarithms_take_the_bone_away(seed):
    ds, told = _image("xa_dsa", seed), images.truth("xa_dsa", seed)
    assert ds.PixelIntensityRelationship == "LIN" and told["masks"] == list(ds.MaskSubtractionSequence[0].MaskFrameNumbers)
    frame = told["peak"] - 1
    assert told["contrast"][frame] == 1.0 and told["shifts"][frame] == (0.0, 0.0)

    def depth(picture, name):
        row, column, diameter = told["vessel"][name]
        r, c = round(row), round(column)
        return picture[r - 4 : r + 5, c - 1 : c + 2].mean(), told["mu"] * diameter

    logs, plain = _subtracted(ds, told, frame), _subtracted(ds, told, frame, log=False)
    for name in told["vessel"]:
        found, expected = depth(logs, name)
        assert abs(found / expected - 1) < 0.10, name
    (over, thick), (beside, wide) = depth(plain, "over bone"), depth(plain, "beside bone")
    assert over / beside < 0.6 * thick / wide, "plain differences show the artery paler over bone"


@SEEDS
def test_the_patient_moves_and_the_mask_is_moved_after(seed):
    ds, told = _image("xa_dsa", seed), images.truth("xa_dsa", seed)
    first, second = ds.MaskSubtractionSequence
    assert (ds.RecommendedViewingMode, first.MaskOperation) == ("SUB", "AVG_SUB") and "MaskSubPixelShift" not in first
    assert list(second.ApplicableFrameRange) == [list(first.ApplicableFrameRange)[1] + 1, ds.NumberOfFrames]
    frame = ds.NumberOfFrames - 1
    shift = [float(value) for value in second.MaskSubPixelShift]
    assert tuple(shift) == tuple(told["shifts"][frame])
    values = np.log(ds.pixel_array.astype(float))
    mask = values[np.array(told["masks"]) - 1].mean(axis=0)
    half = ds.Rows // 2
    knee = (slice(half - 100, half + 60), slice(half - 75, half + 75))
    unmoved, moved = (picture[8:-8, 8:-8][knee] for picture in (mask, values[frame]))
    corrected = _shifted(mask, *shift)[knee]
    blurred = [smoothed[:, 2:] + smoothed[:, 1:-1] + smoothed[:, :-2] for smoothed in (unmoved - moved, corrected - moved)]
    assert blurred[1].std() < 0.75 * blurred[0].std()
    wrong = _shifted(mask, -shift[0], -shift[1])[knee] - moved
    assert wrong.std() > (corrected - moved).std()


def test_the_noise_of_an_exposure_is_that_of_its_quanta():
    ds, told = _image("xa_dsa"), images.truth("xa_dsa")
    one, other = (ds.pixel_array[frame - 1].astype(float) for frame in told["masks"])
    seen = (one < 3000) & (one > 100)
    assert seen.mean() > 0.3
    variance, mean = ((one - other)[seen] ** 2).mean() / 2, ((one + other)[seen] / 2).mean()
    assert 0.85 < variance / mean < 1.15


def test_the_frame_times_are_a_vector():
    ds, told = _image("xa_dsa"), images.truth("xa_dsa")
    steps = [float(step) for step in ds.FrameTimeVector]
    assert ds.FrameIncrementPointer == 0x00181065 and len(steps) == ds.NumberOfFrames and steps[0] == 0
    assert np.cumsum(steps).tolist() == told["times"] and len(set(steps[1:])) > 1


# --- fluoroscopy


@SEEDS
def test_the_barium_is_where_it_is_told(seed):
    ds, told = _image("rf_swallow", seed), images.truth("rf_swallow", seed)
    assert ds.SOPClassUID == "1.2.840.10008.5.1.4.1.1.12.2" and ds.PixelIntensityRelationship == "DISP"
    run = ds.pixel_array.astype(float)
    for frame in range(3, ds.NumberOfFrames):
        for step, (row, column) in enumerate(told["way"]):
            place, r, c = 10 * step, round(row), round(column)
            if not (60 < place < 170 and 4 < r < ds.Rows - 4):
                continue
            darker = 1 - run[frame, r - 1 : r + 2, c - 1 : c + 2].mean() / run[0, r - 1 : r + 2, c - 1 : c + 2].mean()
            if told["tail"][frame] + 22 < place < told["head"][frame] - 22:
                assert darker > 0.25, (frame, place)
            elif place > told["head"][frame] + 8:
                assert darker < 0.25, (frame, place)
    assert told["head"][told["opens"] - 1] > told["narrow"] >= told["head"][told["opens"] - 2]
    assert told["tail"][told["passed"] - 1] > told["narrow"] >= told["tail"][told["passed"] - 2]


# --- the tools of polar pictures


def test_directions_are_those_of_a_circle():
    cosine, sine = coronary.directions(504)
    angle = 2 * np.pi * np.arange(504) / 504
    assert np.abs(cosine - np.cos(angle)).max() < 1e-12 and np.abs(sine - np.sin(angle)).max() < 1e-12


def test_polar_data_lie_where_they_belong():
    lines, depth, size, spacing = 256, 200, 101, 0.1
    distance, where = coronary.polar(size, spacing, lines, depth)
    line, sample, across, along = where
    x, y = (np.arange(size) - 50.0)[None, :], (np.arange(size) - 50.0)[:, None]
    clockwise = np.degrees(np.arctan2(x, -y)) % 360
    found = (line + across) * 360 / lines
    apart = np.abs(found - clockwise)
    ring = (distance > 0.5) & (distance < 4.9)
    assert np.minimum(apart, 360 - apart)[ring].max() < 0.01
    assert np.abs((sample + along) / depth * size / 2 * spacing - distance)[ring].max() < 0.01
