"""Images: complete objects, the same on every run, different between editions, and accepted by tools nobody here wrote."""

import hashlib
import shutil
import subprocess

import numpy as np
import pydicom
import pytest

from coursekit.hospital import images

NAMES = ("ct_head", "ct_head_rle", "cr_chest_pa", "us_ob_cine")
EVERY = pytest.mark.parametrize("name", NAMES)


def _needs(tool):
    return pytest.mark.skipif(not shutil.which(tool), reason=f"{tool} is not installed: the objects were not judged by it")


@EVERY
def test_the_same_on_every_run(name):
    one, other = images._IMAGES[name](3), images._IMAGES[name](3)
    assert one == other and one.PixelData == other.PixelData and one.file_meta == other.file_meta


def test_the_default_edition_stays_as_it_is():
    """A change here changes the committed notebooks: author them anew."""
    digests = {name: hashlib.sha256(images.image(name).pixel_array.tobytes()).hexdigest()[:12] for name in NAMES}
    assert digests == DIGESTS


DIGESTS = {
    "ct_head": "c51df890bff5",
    "ct_head_rle": "c51df890bff5",
    "cr_chest_pa": "1415d357cf8f",
    "us_ob_cine": "7e7a2df68b80",
}


@EVERY
def test_each_call_gives_an_object_of_its_own(name):
    images.image(name).PatientName = "CHANGED^BY^LEARNER"
    assert images.image(name).PatientName != "CHANGED^BY^LEARNER"


@EVERY
def test_editions_differ(name):
    assert len({str(images.image(name, seed).PatientID) for seed in range(5)}) == 5


@EVERY
@pytest.mark.parametrize("seed", range(6))
@_needs("dciodvfy")
def test_dciodvfy_finds_no_error(name, seed, tmp_path):
    """But for the UID root: 2.999 is the arc for examples, which an image in use must not have and ours must."""
    images.image(name, seed).save_as(tmp_path / "one.dcm", enforce_file_format=True)
    said = subprocess.run(["dciodvfy", "one.dcm"], cwd=tmp_path, capture_output=True, text=True).stderr
    lines = [line for line in said.splitlines() if not line.startswith('Error - Inappropriate example root for UID - "2.999.')]
    assert lines == [{"ct": "CTImage", "cr": "CRImage", "us": "USMultiFrameImage"}[name[:2]]]


@EVERY
@pytest.mark.parametrize("seed", range(6))
@_needs("dcmdump")
def test_dcmtk_reads_it(name, seed, tmp_path):
    images.image(name, seed).save_as(tmp_path / "one.dcm", enforce_file_format=True)
    ran = subprocess.run(["dcmdump", "+E", "one.dcm"], cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert ran.returncode == 0 and "PixelData" in ran.stdout
    assert not [line for line in ran.stderr.splitlines() if line.startswith(("E:", "W:", "F:"))]


@EVERY
def test_written_and_read_back(name, tmp_path):
    ds = images.image(name, 1)
    ds.save_as(tmp_path / "one.dcm", enforce_file_format=True)
    back = pydicom.dcmread(tmp_path / "one.dcm")
    assert back == ds and (back.pixel_array == ds.pixel_array).all()


@pytest.mark.parametrize("seed", range(8))
def test_the_head_is_calibrated(seed):
    ds = images.image("ct_head", seed)
    hu = ds.pixel_array * float(ds.RescaleSlope) + float(ds.RescaleIntercept)
    places = {place: hu[a:b, c:d] for place, (a, b, c, d) in images.regions("ct_head", seed).items()}
    assert 55 < places["clot"].mean() < 80
    assert 3 < places["csf"].mean() < 14
    assert 24 < places["white matter"].mean() < 33
    kept = hu[ds.pixel_array != ds.PixelPaddingValue]
    assert -1030 < kept.min() < -980 and 990 < kept.max() < 1200
    assert 0.20 < (ds.pixel_array == ds.PixelPaddingValue).mean() < 0.23, "padding is what lies outside the circle"
    low, high = -(2 ** (ds.BitsStored - 1)), 2 ** (ds.BitsStored - 1) - 1
    assert low <= ds.pixel_array.min() and ds.pixel_array.max() <= high, "every stored value fits Bits Stored"


@pytest.mark.parametrize("seed", range(8))
def test_the_chest_is_monochrome1(seed):
    ds = images.image("cr_chest_pa", seed)
    rows, columns = ds.Rows, ds.Columns
    lung = ds.pixel_array[rows // 2 - 20 : rows // 2 + 20, columns // 5 : columns // 5 + 30].mean()
    spine = ds.pixel_array[rows // 2 - 20 : rows // 2 + 20, columns // 2 - 10 : columns // 2 + 10].mean()
    assert ds.PhotometricInterpretation == "MONOCHROME1" and lung > spine + 400
    assert ds.pixel_array.max() <= 4095


def test_the_router_loses_nothing():
    sent, copy = images.image("ct_head", 2), images.image("ct_head_rle", 2)
    assert (sent.pixel_array == copy.pixel_array).all() and sent.SOPInstanceUID == copy.SOPInstanceUID
    assert len(copy.PixelData) < 0.7 * len(sent.PixelData)


def test_an_unknown_name_says_what_there_is():
    with pytest.raises(ValueError, match="ct_head"):
        images.image("ct_foot")


def test_the_blur_is_a_mean():
    whole = np.arange(49).reshape(7, 7) * 10
    assert images._blur(whole, 1)[3, 3] == whole[2:5, 2:5].sum() // 9
