"""The images obey the physics that their headers claim, measured in the pixels alone."""

import shutil
import subprocess

import numpy as np
import pytest

from coursekit.hospital import images
from coursekit.hospital.draws import Draws
from coursekit.hospital.images import drawing

SEEDS = pytest.mark.parametrize("seed", range(3))


def _values(ds):
    return ds.pixel_array * float(ds.get("RescaleSlope", 1)) + float(ds.get("RescaleIntercept", 0))


def _pixel(ds, point):
    """Column and row of a point in patient coordinates, for a transverse slice."""
    place = [(value - float(corner)) / float(ds.PixelSpacing[0])
             for value, corner in zip(point[:2], ds.ImagePositionPatient[:2], strict=True)]
    return round(place[0]), round(place[1])


def _slice_at(series, z):
    return min(series, key=lambda ds: abs(float(ds.ImagePositionPatient[2]) - z))


# --- drawing


def test_the_exponential():
    powers = np.concatenate((np.linspace(-700, 20, 997), np.linspace(-1, 1, 101)))
    assert np.abs(drawing.exp(powers) / np.exp(powers) - 1).max() < 1e-12
    assert drawing.exp(0.0) == 1


def test_poisson_counts_have_the_distribution():
    for mean in (0.0, 0.4, 7.0, 240.0):
        counts = drawing.poisson(Draws(5, "poisson"), np.full(40_000, mean))
        assert abs(counts.mean() - mean) < 0.03 * mean + 0.001
        assert abs(counts.var() - mean) < 0.04 * mean + 0.001
    none = (drawing.poisson(Draws(5, "poisson"), np.full(40_000, 0.4)) == 0).mean()
    assert abs(none - np.exp(-0.4)) < 0.01
    with pytest.raises(ValueError, match="below 0"):
        drawing.poisson(Draws(0, "x"), np.array([-1.0]))


def test_normal_noise():
    noise = drawing.normal(Draws(5, "normal"), (200, 200))
    assert abs(noise.mean()) < 0.02 and abs(noise.std() - 1) < 0.02


# --- CT


@SEEDS
@pytest.mark.parametrize("name", ["ct_qc_smooth", "ct_qc_sharp", "ct_qc_smooth_low", "ct_qc_sharp_low"])
def test_the_phantom_reads_its_ct_numbers(name, seed):
    inserts, uniform, bars = images.image(name, seed)
    told, places = images.truth(name, seed), images.regions(name, seed)
    for insert, value in told["HU"].items():
        a, b, c, d = places[insert]
        assert abs(_values(inserts)[a:b, c:d].mean() - value) < 5, insert
    a, b, c, d = places["uniform"]
    assert abs(_values(uniform)[a:b, c:d].std() / told["noise"] - 1) < 0.06
    assert float(inserts.Exposure) == told["mAs"] and inserts.ConvolutionKernel == told["kernel"]
    assert [float(ds.SliceLocation) for ds in (inserts, uniform, bars)] == [40, 0, -40]


@SEEDS
def test_noise_goes_with_dose_and_kernel(seed):
    a, b, c, d = images.regions("ct_qc_smooth", seed)["uniform"]

    def noise(name):
        return _values(images.image(name, seed)[1])[a:b, c:d]

    smooth, sharp = noise("ct_qc_smooth"), noise("ct_qc_sharp")
    low = noise("ct_qc_smooth_low")
    ratio = (240 / 60) ** 0.5
    assert abs(low.std() / smooth.std() / ratio - 1) < 0.1, "a quarter of the dose, twice the noise"
    assert sharp.std() > 3 * smooth.std()
    assert np.corrcoef(sharp.ravel(), smooth.ravel())[0, 1] > 0.2, "both kernels reconstruct one measurement"
    assert abs(np.corrcoef(low.ravel(), smooth.ravel())[0, 1]) < 0.05


def test_a_sharp_kernel_has_sharper_edges_and_resolves_more():
    def edge(name):
        a, b, c, d = images.regions(name)["edge of bone"]
        return np.abs(np.diff(_values(images.image(name)[0])[(a + b) // 2, c:d])).max()

    def modulation(name, pairs):
        """How much of the bars' contrast is left where there are `pairs` line pairs a cm."""
        place = images.truth(name)["line_pairs"].index(pairs)
        middle = (512 - 1) / 2
        column = round(middle + (-48, 0, 48)[place % 3] / 0.48828125)
        row = round(middle + (-28, 28)[place // 3] / 0.48828125)
        half = round(3 * 5 / pairs / 0.48828125)  # three bars' widths: none but bars and gaps
        profile = _values(images.image(name)[2])[row - 15 : row + 15, column - half : column + half].mean(axis=0)
        return profile.max() - profile.min()

    assert edge("ct_qc_sharp") > 1.5 * edge("ct_qc_smooth")
    for pairs in (5, 7):
        assert modulation("ct_qc_sharp", pairs) > 1.8 * modulation("ct_qc_smooth", pairs)
    assert modulation("ct_qc_smooth", 3) > 3 * modulation("ct_qc_smooth", 7)


@SEEDS
@pytest.mark.parametrize("name", ["ct_chest", "ct_pet"])
def test_a_stack_is_a_volume(name, seed):
    series, told = images.image(name, seed), images.truth(name, seed)
    heights = [float(ds.ImagePositionPatient[2]) for ds in series]
    assert len(series) == told["slices"] and set(np.abs(np.diff(heights))) == {told["increment"]}
    assert [float(ds.SliceLocation) for ds in series] == heights
    assert len({ds.FrameOfReferenceUID for ds in series}) == 1
    assert all(ds.ImageOrientationPatient == [1, 0, 0, 0, 1, 0] for ds in series)
    volume = np.array([_values(ds) for ds in series])
    for tissue, near in (("lung", 60), ("fat", 25), ("muscle", 25)):
        assert (np.abs(volume - told["HU"][tissue]) < near).mean() > 0.01, tissue


@SEEDS
def test_the_nodule_is_where_the_truth_says(seed):
    series, told = images.image("ct_chest", seed), images.truth("ct_chest", seed)["nodule"]
    ds = _slice_at(series, told["centre"][2])
    column, row = _pixel(ds, told["centre"])
    assert abs(_values(ds)[row - 2 : row + 3, column - 2 : column + 3].mean() - told["HU"]) < 15


# --- MR


@SEEDS
@pytest.mark.parametrize("name", ["mr_brain_t1", "mr_brain_t2", "mr_brain_pd", "mr_pet"])
def test_the_signal_obeys_the_header(name, seed):
    series, told = images.image(name, seed), images.truth(name, seed)
    tr, te = float(series[0].RepetitionTime), float(series[0].EchoTime)
    assert (tr, te, float(series[0].MagneticFieldStrength)) == (told["TR"], told["TE"], told["field"])
    t1, t2, density = told["tissues"]["tumour"]
    expected = told["gain"] * density * (1 - np.exp(-tr / t1)) * np.exp(-te / t2)
    centre = told["tumour"]["centre"]
    ds = _slice_at(series, centre[2])
    column, row = _pixel(ds, centre)
    found = ds.pixel_array[row - 4 : row + 5, column - 4 : column + 5]
    assert abs(found.mean() / expected - 1) < 0.03
    assert abs(expected - told["signal"]["tumour"]) < 0.1
    assert "RescaleSlope" not in ds, "the values have no unit"


@SEEDS
def test_the_contrasts_are_in_order(seed):
    def signal(name):
        return images.truth(name, seed)["signal"]

    t1, t2, density = signal("mr_brain_t1"), signal("mr_brain_t2"), signal("mr_brain_pd")
    assert t1["fat"] > t1["white matter"] > t1["grey matter"] > t1["CSF"]
    assert t2["CSF"] > t2["grey matter"] > t2["white matter"]
    assert density["grey matter"] > density["white matter"] > density["bone"]
    # And in the pixels: the middle of a ventricle and the white matter beside it, on the side without the tumour.
    side = -np.sign(images.truth("mr_brain_t1", seed)["tumour"]["centre"][0])
    for name, darker in (("mr_brain_t1", True), ("mr_brain_t2", False)):
        ds = _slice_at(images.image(name, seed), 17)
        pixels = ds.pixel_array
        column, row = _pixel(ds, (11 * side, 2))
        water = pixels[row - 4 : row + 5, column - 1 : column + 2].mean()
        column, row = _pixel(ds, (24 * side, 20))
        white = pixels[row - 4 : row + 5, column - 1 : column + 2].mean()
        assert (water < 0.8 * white) if darker else (water > 1.5 * white)


def test_the_noise_of_air_is_rayleighs():
    ds = images.image("mr_brain_t1")[0]
    corner, sigma = ds.pixel_array[:24, :24].astype(float), images.truth("mr_brain_t1")["noise"]
    assert abs(corner.mean() / (sigma * np.sqrt(np.pi / 2)) - 1) < 0.06
    assert abs(corner.std() / (sigma * np.sqrt(2 - np.pi / 2)) - 1) < 0.08


# --- NM


@SEEDS
def test_the_floods_variance_is_its_mean(seed):
    ds, told = images.image("nm_flood", seed), images.truth("nm_flood", seed)
    top, bottom, left, right = told["useful"]
    field = ds.pixel_array.reshape(ds.Rows, ds.Columns)[top:bottom, left:right].astype(float)
    assert abs(field.mean() / told["mean"] - 1) < 0.01 and abs(field.var() / told["mean"] - 1) < 0.03
    assert int(ds.CountsAccumulated) == field.sum() == ds.pixel_array.sum()


@SEEDS
def test_the_bone_scan(seed):
    ds, told = images.image("nm_bone", seed), images.truth("nm_bone", seed)
    assert ds.NumberOfFrames == len(ds.DetectorVector) == 2 and ds.FrameIncrementPointer == [0x00540010, 0x00540020]
    for frame, expected in zip(ds.pixel_array, told["counts"], strict=True):
        assert abs(int(frame.sum()) - expected) < 4 * expected**0.5 + 0.01 * expected
    for frame, column, row in told["lesions"].values():
        around = ds.pixel_array[frame - 1, row - 2 : row + 3, column - 2 : column + 3]
        assert around.mean() > 1.2 * np.percentile(ds.pixel_array[frame - 1], 97)
    item = ds.RadiopharmaceuticalInformationSequence[0]
    assert float(item.RadionuclideTotalDose) == told["dose"] < 1000, "MBq"


# --- PET


def _suv(ds):
    """SUVbw from the header alone, for Decay Correction START."""
    item = ds.RadiopharmaceuticalInformationSequence[0]

    def seconds(text):
        return int(text[:2]) * 3600 + int(text[2:4]) * 60 + float(text[4:])

    assert (ds.Units, ds.DecayCorrection) == ("BQML", "START")
    wait = seconds(ds.SeriesTime) - seconds(item.RadiopharmaceuticalStartTime)
    dose = float(item.RadionuclideTotalDose) * 2 ** (-wait / float(item.RadionuclideHalfLife))
    return _values(ds) * float(ds.PatientWeight) * 1000 / dose


@SEEDS
@pytest.mark.parametrize("name", ["pt_torso", "pt_brain"])
def test_the_suv_comes_back(name, seed):
    series, told = images.image(name, seed), images.truth(name, seed)
    for lesion, where in told["lesions"].items():
        ds = _slice_at(series, where["centre"][2])
        column, row = _pixel(ds, where["centre"])
        found = _suv(ds)[row - 1 : row + 2, column - 1 : column + 2].mean()
        assert abs(found / told["SUV"][lesion] - 1) < 0.06, lesion
    assert len({str(ds.SeriesTime) for ds in series}) == 1
    assert len({str(ds.AcquisitionTime) for ds in series}) == told["beds"]
    assert len({str(ds.RescaleSlope) for ds in series}) > 1, "each slice has a slope of its own"
    assert told["half_life"] == 6586.2


def test_the_factor_of_decay_is_that_of_the_frame():
    for ds in images.image("pt_torso"):
        expected = 2 ** (float(ds.FrameReferenceTime) / 1000 / 6586.2)
        assert abs(float(ds.DecayFactor) - expected) < 1e-5


@SEEDS
@pytest.mark.parametrize("name, partner", [("pt_torso", "ct_pet"), ("pt_brain", "mr_pet")])
def test_partners_share_a_frame_of_reference(name, partner, seed):
    one, other = images.image(name, seed)[0], images.image(partner, seed)[0]
    for keyword in ("FrameOfReferenceUID", "StudyInstanceUID", "PatientID", "AccessionNumber", "PatientWeight"):
        assert one[keyword].value == other[keyword].value
    assert one.SeriesInstanceUID != other.SeriesInstanceUID and one.PixelSpacing != other.PixelSpacing
    assert [ds.ImagePositionPatient[2] for ds in images.image(name, seed)] == [
        ds.ImagePositionPatient[2] for ds in images.image(partner, seed)]


def test_the_lesion_of_the_pet_is_solid_in_its_ct():
    told = images.truth("pt_torso")["lesions"]["lesion"]["centre"]
    ds = _slice_at(images.image("ct_pet"), told[2])
    column, row = _pixel(ds, told)
    assert 0 < _values(ds)[row - 3 : row + 4, column - 3 : column + 4].mean() < 80


@SEEDS
def test_the_window_of_the_pet_shows_the_liver(seed):
    told, highest = images.truth("pt_torso", seed), float(images.image("pt_torso", seed)[0].WindowWidth)
    full = highest * told["weight"] * 1000 / told["dose_at_series"]  # SUV that is white
    assert 0.4 < told["SUV"]["liver"] / full < 0.7 < told["SUV"]["lesion"] / full


# --- ultrasound


@SEEDS
def test_the_kidney_is_as_long_as_its_crosses_say(seed):
    ds, told = images.image("us_abdomen", seed), images.truth("us_abdomen", seed)
    region = ds.SequenceOfUltrasoundRegions[0]
    (x0, y0), (x1, y1) = told["crosses"]
    cm = np.hypot((x1 - x0) * region.PhysicalDeltaX, (y1 - y0) * region.PhysicalDeltaY)
    assert abs(10 * cm - told["kidney"]) < 0.6 and region.PhysicalUnitsXDirection == 3
    for column, row in told["crosses"]:
        assert (ds.pixel_array[row - 8 : row + 9, column] == 255).all()


@SEEDS
def test_what_lies_behind_is_bright_behind_fluid_and_dark_behind_a_stone(seed):
    pixels = images.image("us_abdomen", seed).pixel_array.astype(float)

    def mean(x, y):
        """Around a point of the scene: mm from the middle of the probe's face."""
        row, column = round(40 + y / 0.4), round(319.5 + x / 0.4)
        return pixels[row - 9 : row + 10, column - 4 : column + 5].mean()

    liver, behind_bile, shadow = mean(-18, 84), mean(-46, 86), mean(-64, 98)
    assert behind_bile > liver + 15 and shadow < liver - 40
    assert mean(-44, 57) < 25 < liver, "bile gives no echo"


@SEEDS
def test_the_fetal_heart_beats_in_the_colour_box(seed):
    clip = images.image("us_ob_cine", seed).pixel_array.astype(int)
    rows, columns = clip.shape[1:3]
    box = clip[:, rows // 3 : 2 * rows // 3, columns // 3 : 2 * columns // 3]
    towards, away = ((sign * (box[..., 0] - box[..., 2]) > 60).sum(axis=(1, 2)) for sign in (1, -1))
    assert towards.max() > 100 and away.max() > 30, "blood runs in and out"
    assert min(towards.min(), away.min()) == 0 and np.corrcoef(towards, away)[0, 1] < -0.2, "but not at once"
    wall, heart = (clip[:, a : a + rows // 9, columns // 2 - 15 : columns // 2 + 15, 1].std(axis=0).mean() for a in (rows // 9, rows // 2))
    assert heart > 4 * wall, "the mother lies still"


@SEEDS
def test_the_spectrum_has_a_scale_of_its_own(seed):
    ds, told = images.image("us_carotid", seed), images.truth("us_carotid", seed)
    tissue, colour, spectrum = ds.SequenceOfUltrasoundRegions
    assert (tissue.RegionDataType, colour.RegionDataType, spectrum.RegionDataType) == (1, 2, 3)
    assert tissue.PhysicalDeltaX != spectrum.PhysicalDeltaX
    grey = ds.pixel_array[spectrum.RegionLocationMinY0 : spectrum.RegionLocationMaxY1 + 1,
                          spectrum.RegionLocationMinX0 : spectrum.RegionLocationMaxX1 + 1, 0]
    top = np.argmax(grey > 40, axis=0).min()
    speed = (top - spectrum.ReferencePixelY0) * spectrum.PhysicalDeltaY
    assert abs(speed - told["peak"]) <= 3
    shown = ds.pixel_array.astype(int)
    box = shown[colour.RegionLocationMinY0 : colour.RegionLocationMaxY1, colour.RegionLocationMinX0 : colour.RegionLocationMaxX1]
    assert ((box[..., 0] - box[..., 2]) > 60).mean() > 0.1, "red in the colour box"
    # PS3.3 C.8.5.5.1.3: what lies beneath has low priority (bit 0), and bit 2 is 0, as the scale of the spectrum is one of velocities.
    assert [region.RegionFlags for region in (tissue, colour, spectrum)] == [1, 0, 0] and spectrum.PhysicalUnitsYDirection == 7
    fastest = 154_000 * spectrum.PulseRepetitionFrequency / (2 * 1000 * spectrum.TransducerFrequency * 0.5)  # cos 60 degrees; kHz
    assert fastest == pytest.approx(grey.shape[0] * -spectrum.PhysicalDeltaY, rel=0.02), "the whole axis is what this repetition shows"


# --- the dose report


def _numbers(item, found):
    for child in item.get("ContentSequence", []):
        if child.ValueType == "NUM":
            measured = child.MeasuredValueSequence[0]
            found.setdefault(child.ConceptNameCodeSequence[0].CodeValue, []).append(float(measured.NumericValue))
        _numbers(child, found)
    return found


@SEEDS
def test_the_dose_report_agrees_with_the_images(seed):
    ds, told = images.image("sr_dose_ct", seed), images.truth("sr_dose_ct", seed)
    series = images.image(told["images"], seed)
    found = _numbers(ds, {})
    assert found["113812"] == [2] == [len(told["events"])]
    assert found["113838"] == [dlp for *_, dlp in told["events"]] and found["113813"] == [told["DLP"]]
    assert abs(sum(found["113838"]) - told["DLP"]) < 0.005
    for ctdi, length, dlp in zip(found["113830"], found["113825"], found["113838"], strict=True):
        assert abs(ctdi * length / 10 - dlp) < 0.005
    assert found["113830"][1] == series[0].CTDIvol
    for keyword in ("StudyInstanceUID", "PatientID", "AccessionNumber", "StationName"):
        assert ds[keyword].value == series[0][keyword].value
    assert str(series[0].IrradiationEventUID) in str(ds)


@pytest.mark.skipif(not shutil.which("dsrdump"), reason="dsrdump is not installed: the dose report was not judged by it")
def test_dsrdump_reads_the_dose_report(tmp_path):
    images.image("sr_dose_ct").save_as(tmp_path / "one.dcm", enforce_file_format=True)
    ran = subprocess.run(["dsrdump", "+Pc", "one.dcm"], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0 and '(113813,DCM,"CT Dose Length Product Total")' in ran.stdout
    assert not [line for line in ran.stderr.splitlines() if line.startswith(("E:", "W:"))]
