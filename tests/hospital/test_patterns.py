"""Test patterns and test plates hold what their truth says, measured in the pixels alone."""

import hashlib

import numpy as np
import pytest

from coursekit.hospital import images, logs
from coursekit.hospital.images import CATALOGUE

SEEDS = pytest.mark.parametrize("seed", range(2))
PLATES = tuple(CATALOGUE["plates"])
PATTERNS = tuple(CATALOGUE["patterns"])


def _cut(picture, place):
    top, bottom, left, right = place
    return picture[top:bottom, left:right]


def _digest(name):
    return hashlib.sha256(images.image(name).PixelData).hexdigest()[:12]


def test_the_default_edition_stays_as_it_is():
    """A change here changes notebooks that show these pictures."""
    assert {name: _digest(name) for name in DIGESTS} == DIGESTS


DIGESTS = {
    "pattern_qc": "1c96bae93c35",
    "pattern_ln": "d2365bc0e4d0",
    "pattern_uniform": "0b7ddbbe19f1",
    "pattern_grid": "cd1c277382ad",
    "pattern_smpte": "ecb71b96654e",
    "plate_uniform": "41d70b03d862",
    "plate_uniform_low": "2e1f80b504d4",
    "plate_lines": "bdf2c6cf112a",
    "plate_mesh": "6909a7a57921",
    "plate_ghost": "5957ef5879be",
    "plate_artefact": "887d99aedadc",
    "xc_wound": "fbcb0dd59748",
}


# --- patterns


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_is_the_same_everywhere_and_passed_on_unchanged(name):
    ds = images.image(name)
    assert ds == images.image(name, 5) and ds.PatientID == "QC-DISPLAY" and ds.ConversionType == "SYN"
    # The LINEAR window function of PS3.3 C.11.2.1.2, from 0 to 255.
    stored, center, width = np.arange(256), float(ds.WindowCenter), float(ds.WindowWidth)
    shown = ((stored - (center - 0.5)) / (width - 1) + 0.5) * 255
    assert np.abs(shown - stored).max() < 1e-9
    assert ds.BitsStored == 8 and ds.PhotometricInterpretation == "MONOCHROME2"


def test_patches_have_their_levels():
    for name in ("pattern_qc", "pattern_smpte"):
        picture, places, told = images.image(name).pixel_array, images.regions(name), images.truth(name)
        for place, level in told["levels"].items():
            patch = _cut(picture, places[place])
            assert (patch == level).mean() > 0.7 and np.median(patch) == level, place
        assert {told["levels"][place] for place in ("black", "5 %", "95 %", "white")} == {0, 13, 242, 255}
    assert [images.truth("pattern_smpte")["levels"][f"{step} %"] for step in range(0, 101, 10)] == [
        0, 26, 51, 77, 102, 128, 153, 179, 204, 230, 255]


def test_the_patches_of_the_overview_have_corners_that_differ_by_four():
    picture, places = images.image("pattern_qc").pixel_array.astype(int), images.regions("pattern_qc")
    for level in range(0, 256, 15):
        patch = _cut(picture, places[f"level {level}"])
        assert set(np.unique(patch)) == {level, level + (4 if level < 250 else -4)}


def test_line_pairs_are_full_and_as_wide_as_told():
    for name in ("pattern_qc", "pattern_smpte"):
        picture, places = images.image(name).pixel_array.astype(int), images.regions(name)
        for place, width in images.truth(name)["line_pairs"].items():
            lines = _cut(picture, places[place])
            half = lines.shape[1] // 2
            for along in (lines[:, 0], lines[0, half:]):
                steps = np.flatnonzero(np.diff(along))
                assert len(steps) > 3 and set(np.diff(steps)) == {width}, place
            assert (np.diff(lines[:, :half], axis=1) == 0).all() and (np.diff(lines[:, half:], axis=0) == 0).all()


def test_letters_fade():
    picture, places = images.image("pattern_qc").pixel_array.astype(int), images.regions("pattern_qc")
    for ground, steps in images.truth("pattern_qc")["letters"].items():
        strip = _cut(picture, places[f"letters on {ground}"]) - ground
        found = [int(column[column != 0][0]) for column in strip.T if column.any()]
        assert list(dict.fromkeys(found)) == steps and [abs(step) for step in steps] == sorted(map(abs, steps), reverse=True)


def test_the_photometers_levels_are_those_of_the_readings():
    ds, told = images.image("pattern_ln"), images.truth("pattern_ln")
    place = images.regions("pattern_ln")["patch"]
    assert ds.NumberOfFrames == len(told["levels"]) == 18 == len(ds.PageNumberVector)
    for frame, level in zip(ds.pixel_array, told["levels"], strict=True):
        assert (_cut(frame, place) == level).all() and frame[0, 0] == told["background"]
        assert abs(_cut(frame, place).size / frame.size - 0.1) < 0.005, "a tenth of the area"
    from coursekit.hospital import hospital
    assert told["levels"] == sorted({one.level for one in hospital(1, "tiny").logs.readings})
    # The surrounding level gives a fifth of the highest luminance on a display calibrated from 1 to 350 cd/m2.
    first, last = logs.index(1), logs.index(350)
    assert abs(logs.luminance(first + (last - first) * told["background"] / 255) / 350 - 0.2) < 0.002


def test_the_uniform_fields_are_uniform():
    ds, told = images.image("pattern_uniform"), images.truth("pattern_uniform")
    assert [np.unique(frame).tolist() for frame in ds.pixel_array] == [[level] for level in told["levels"]]
    assert all(_cut(ds.pixel_array[0], place).size == 1600 for place in images.regions("pattern_uniform").values())


def test_the_grid_is_square_and_its_circle_round():
    picture, told = images.image("pattern_grid").pixel_array.astype(int), images.truth("pattern_grid")
    lines = np.flatnonzero((picture == 200).mean(axis=0) > 0.9)
    assert set(np.diff(lines)) == {told["spacing"]} and (picture == picture.T).all()
    row, column = np.indices(picture.shape)
    away = np.hypot(row - 511.5, column - 511.5)
    rim = np.abs(away - told["circle"]) < 0.5
    assert picture[rim].min() >= 170


# --- plates


@SEEDS
@pytest.mark.parametrize("name", PLATES)
def test_the_exposure_index_is_a_hundred_times_the_kerma(name, seed):
    ds, told = images.image(name, seed), images.truth(name, seed)
    assert float(ds.ExposureIndex) == 100 * told["kerma"] == told["EI"] and float(ds.TargetExposureIndex) == told["EIT"]
    assert abs(float(ds.DeviationIndex) - 10 * np.log10(told["EI"] / told["EIT"])) < 0.051
    assert ds.PhotometricInterpretation == "MONOCHROME1" and ds.pixel_array.max() < 4095, "nothing is cut off"


def _noise(patch):
    """Standard deviation without slow changes: of differences to the right, over the root of two."""
    return np.diff(patch.astype(float), axis=1).std() / 2**0.5


@SEEDS
@pytest.mark.parametrize("name", ["plate_uniform", "plate_uniform_low"])
def test_the_flat_field_has_its_signal_noise_and_shading(name, seed):
    picture, told = images.image(name, seed).pixel_array, images.truth(name, seed)
    middle = _cut(picture, images.regions(name, seed)["middle"])
    assert abs(middle.mean() / told["signal"] - 1) < 0.005
    assert abs(_noise(middle) / told["sigma"] - 1) < 0.03
    assert abs(sum(part**2 for part in told["noise"].values()) / told["sigma"] ** 2 - 1) < 0.01
    left, right, top, bottom = told["shading"]
    for strip, share in ((picture[:, :20], left), (picture[:20], top), (picture[-20:], bottom)):
        length = max(strip.shape) // 2
        part = strip[length - 60 : length + 60] if strip.shape[0] > 20 else strip[:, length - 60 : length + 60]
        assert abs(part.mean() / middle.mean() - share) < 0.01
    assert left == right and bottom < top, "the heel effect takes from the anode's side"


def test_a_quarter_of_the_kerma_halves_the_snr_but_for_grain():
    def snr(name):
        middle = _cut(images.image(name).pixel_array, images.regions(name)["middle"])
        return middle.mean() / _noise(middle)

    high, low = images.truth("plate_uniform"), images.truth("plate_uniform_low")
    assert high["kerma"] == 4 * low["kerma"]
    ratio = snr("plate_uniform") / snr("plate_uniform_low")
    assert abs(ratio - (high["signal"] / high["sigma"]) / (low["signal"] / low["sigma"])) < 0.07 and 1.7 < ratio < 2
    assert abs(high["noise"]["quanta"] / low["noise"]["quanta"] - 2) < 0.01


def test_the_noise_is_white():
    middle = _cut(images.image("plate_uniform").pixel_array, images.regions("plate_uniform")["middle"]).astype(float)
    residue = middle - middle.mean()
    for right, down in ((1, 0), (0, 1), (1, 1)):
        moved = residue[down:, right:]
        assert abs((residue[: moved.shape[0], : moved.shape[1]] * moved).mean() / residue.var()) < 0.03


@SEEDS
def test_the_mtf_comes_out_of_the_slanted_edge(seed):
    ds, told = images.image("plate_lines", seed), images.truth("plate_lines", seed)
    patch = _cut(ds.pixel_array.astype(float), images.regions("plate_lines", seed)["edge"])
    spacing = float(ds.ImagerPixelSpacing[0])
    rows, columns = patch.shape
    # Where each row crosses the middle between lead and air; a straight line through them.
    level = (patch[:, :12].mean() + patch[:, -12:].mean()) / 2
    crossing = [np.interp(level, line, np.arange(columns)) for line in np.maximum.accumulate(patch, axis=1)]
    slope, start = np.polyfit(np.arange(rows), crossing, 1)
    assert abs(np.degrees(np.arctan(abs(slope))) - 3) < 0.3
    away = (np.arange(columns)[None, :] - (start + slope * np.arange(rows))[:, None]) / np.sqrt(1 + slope * slope)
    bins = np.round(away * 4).astype(int)
    inside = np.abs(bins) <= 64
    edge = np.bincount(bins[inside] + 64, patch[inside], 129) / np.bincount(bins[inside] + 64, minlength=129)
    spread = np.diff(edge) * np.hanning(128)
    found = np.abs(np.fft.rfft(spread))
    frequency = np.fft.rfftfreq(128, spacing / 4)
    for pairs in (0.5, 1.0, 1.5):
        assert abs(np.interp(pairs, frequency, found / found[0]) - told["MTF"][pairs]) < 0.06, pairs
    assert told["limit"] == 2.5 == 1 / (2 * spacing)


def test_line_pairs_fade_as_the_mtf_says():
    picture, places = images.image("plate_lines").pixel_array.astype(float), images.regions("plate_lines")
    told = images.truth("plate_lines")
    left = []
    for pairs in told["line_pairs"]:
        profile = _cut(picture, places[f"{pairs} lp/mm"]).mean(axis=0)
        wave = np.exp(-2j * np.pi * pairs * 0.2 * np.arange(len(profile)))
        left.append(2 * abs(((profile - profile.mean()) * wave).mean()) / profile.mean())
    assert all(one > other for one, other in zip(left, left[1:])) and left[0] > 0.5 and left[-1] < 0.05
    assert abs(left[2] / left[0] - told["MTF"][1.0] / told["MTF"][0.5]) < 0.08


def test_discs_have_their_contrast_and_only_some_can_be_seen():
    picture, places = images.image("plate_lines").pixel_array.astype(float), images.regions("plate_lines")
    told = images.truth("plate_lines")["discs"]
    for contrast, diameter, snr in told:
        if snr < 25:
            continue
        top, bottom, left, right = places[f"disc {contrast} % {diameter} mm"]
        out, wide = round(0.9 * diameter / 0.2), bottom - top
        # The background at both sides, as the field falls off.
        beside = sum(picture[top:bottom, left + shift : right + shift].mean() for shift in (-out - wide, out + wide)) / 2
        assert abs(100 * (1 - picture[top:bottom, left:right].mean() / beside) / contrast - 1) < 0.35, (contrast, diameter)
    seen = [snr > 5 for *_, snr in told]  # Rose's criterion
    assert 0.4 < np.mean(seen) < 0.9


@SEEDS
def test_the_mesh_is_blurred_where_the_truth_says(seed):
    picture, places = images.image("plate_mesh", seed).pixel_array.astype(float), images.regions("plate_mesh", seed)

    def contrast(place):
        patch = _cut(picture, places[place])
        return np.percentile(patch, 95) - np.percentile(patch, 5)

    assert contrast("bad contact") < 0.6 * contrast("good contact")
    row, column, radius = images.truth("plate_mesh", seed)["contact"]
    top, bottom, left, right = places["bad contact"]
    assert abs((top + bottom) / 2 - row) <= 1 and abs((left + right) / 2 - column) <= 1 and radius > 80


@SEEDS
def test_the_ghost_is_as_strong_as_the_truth_says(seed):
    picture, places = images.image("plate_ghost", seed).pixel_array.astype(float), images.regions("plate_ghost", seed)
    told, flat = images.truth("plate_ghost", seed), images.image("plate_uniform", seed).pixel_array.astype(float)

    def excess(place):
        """Kerma above the exposure of this reading, µGy, the field's shading taken from the flat plate."""
        share = _cut(flat, places[place]).mean() / images.truth("plate_uniform", seed)["signal"]
        return (_cut(picture, places[place]).mean() / share - told["signal"]) / 200

    assert abs(excess("beside the hand") / (told["ghost"] * 40) - 1) < 0.12
    assert 0 < excess("hand") < 0.8 * excess("beside the hand"), "the hand kept the rays away"


@SEEDS
def test_the_blemishes_are_where_the_truth_says(seed):
    picture, told = images.image("plate_artefact", seed).pixel_array.astype(float), images.truth("plate_artefact", seed)
    faults, sigma = told["faults"], told["sigma"]
    lost, = faults["lost line"]
    assert _cut(picture, lost).mean() < 20 and picture[lost[0] - 1].mean() > 1000 < picture[lost[1]].mean()
    for place in faults["specks"]:
        assert _cut(picture, place).min() < np.median(_cut(picture, place)) - 6 * sigma
    scratch, = faults["scratch"]
    dark = [row.min() for row in _cut(picture, scratch)[40:-40]]
    assert np.mean(dark) < np.median(picture) - 8 * sigma
    line, = faults["roller line"]
    middle = (line[2] + line[3]) // 2
    beside = (picture[:, middle - 6 : middle - 3].mean() + picture[:, middle + 4 : middle + 7].mean()) / 2
    assert 0.01 < 1 - picture[:, middle].mean() / beside < 0.08, "too faint for one pixel, plain in the sum of a column"
