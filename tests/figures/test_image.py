"""The way of pixels to the screen, and the pictures of it."""

import base64
import io
import shutil
import subprocess
import sys

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from coursekit.figures import Display, pipeline, show, window_viewer
from coursekit.figures.image import orientation
from coursekit.hospital import images


def _small(values, **header):
    """A small image with the values as unsigned 16-bit pixels."""
    array = np.asarray(values)
    ds = pydicom.Dataset()
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    ds.Rows, ds.Columns = array.shape
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation, ds.Modality = 15, 0, "OT"
    for keyword, value in header.items():
        setattr(ds, keyword, value)
    ds.PixelData = array.astype("<i2" if ds.PixelRepresentation else "<u2").tobytes()
    ds["PixelData"].VR = "OW"
    return ds


def test_linear_as_the_standard_says():
    """PS3.3 C.11.2.1.2.1: center 2048, width 4096 is the identity of 12 bits; the ends are reached exactly."""
    ds = _small([[0, 4095, 2047, 2048]], WindowCenter="2048", WindowWidth="4096")
    assert Display(ds).grey.tolist() == [[0, 255, 127, 128]]
    ds = _small([[10, 11, 12]], WindowCenter="11", WindowWidth="1")
    assert Display(ds).grey.tolist() == [[0, 255, 255]]


def test_other_functions():
    exact = _small([[0, 50, 100]], WindowCenter="50", WindowWidth="100", VOILUTFunction="LINEAR_EXACT")
    assert Display(exact).grey.tolist() == [[0, 128, 255]]
    sigmoid = Display(_small([[0, 50, 100]], WindowCenter="50", WindowWidth="100", VOILUTFunction="SIGMOID")).grey[0]
    assert sigmoid[0] == round(255 / (1 + np.exp(2))) and sigmoid[1] in (127, 128)


def test_polarity_comes_after_the_window():
    ds = _small([[0, 79, 500]], WindowCenter="40", WindowWidth="80", PhotometricInterpretation="MONOCHROME1")
    assert Display(ds).grey.tolist() == [[255, 0, 0]]


def test_padding_is_black_whatever_the_polarity_and_not_counted():
    header = dict(PixelRepresentation=1, RescaleSlope="2", RescaleIntercept="-10")
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        ds = _small([[-2000, 5, 15]], PhotometricInterpretation=photometric, **header)
        ds.add_new("PixelPaddingValue", "SS", -2000)
        display = Display(ds)
        assert display.grey[0, 0] == 0 and np.isnan(display.values[0, 0])
        assert display.values[0, 1:].tolist() == [0, 20]
        assert display.window == (10.5, 21), "the full range of what is not padding"


def test_a_range_of_padding():
    ds = _small([[0, 3, 9]], PixelPaddingValue=0, PixelPaddingRangeLimit=5)
    assert Display(ds).padding.tolist() == [[True, True, False]]


def test_the_first_of_several_windows():
    ds = _small([[0, 1]], WindowCenter=["40", "600"], WindowWidth=["80", "2000"])
    assert Display(ds).window == (40, 80)


def test_directions():
    head = images.image("ct_head")
    assert orientation(head) == ("L", "P", "R", "A")
    assert orientation(images.image("cr_chest_pa")) == ("L", "F", "R", "H")
    head.ImageOrientationPatient = ["0", "1", "0", "0", "0", "-1"]
    assert orientation(head) == ("P", "F", "A", "H")
    del head.ImageOrientationPatient
    assert orientation(head) is None


@pytest.mark.parametrize("make", [
    lambda: show(images.image("ct_head"), title="Head", says="A head."),
    lambda: show(images.image("cr_chest_pa"), size=300),
    lambda: show(images.image("us_ob_cine")),
    lambda: show(pydicom.dcmread(get_testdata_file("MR_small.dcm"))),
    lambda: show(np.arange(12).reshape(3, 4)),
    lambda: show(images.image("ct_head"), box=(100, 140, 300, 360)),
    lambda: show(images.image("cr_chest_pa"), size=300, box=(100, 140, 300, 360)),
    lambda: pipeline(images.image("ct_head")),
    lambda: pipeline(images.image("cr_chest_pa")),
    lambda: window_viewer(images.image("ct_head")).picture,
    lambda: window_viewer(images.image("cr_chest_pa")).picture,
])  # fmt: skip
def test_a_picture_says_what_it_shows(make):
    picture = make()
    data, metadata = picture._repr_mimebundle_()
    assert sorted(data) == ["image/png", "text/plain"]
    assert len(data["text/plain"]) > 40 and "  " not in data["text/plain"] and "\n" not in data["text/plain"]
    assert metadata["image/png"]["alt"] and make()._repr_mimebundle_()[0] == data, "the same twice"
    drawn = Image.open(io.BytesIO(data["image/png"])).convert("RGB")
    assert len(drawn.getcolors(1 << 20)) > 20 and drawn.width <= 1200
    assert len(data["image/png"]) < 250_000


def test_the_picture_shows_the_pixels_themselves():
    """At its own size, the middle of the picture is the grey that Display computes, up to the palette."""
    ds = images.image("ct_head")
    drawn = np.asarray(Image.open(io.BytesIO(show(ds).png)).convert("L"), int)
    wanted = Display(ds).grey.astype(int)
    got = drawn[8 : 8 + 512, 8 : 8 + 512]
    assert np.abs(got[150:350, 150:350] - wanted[150:350, 150:350]).max() <= 3


def _yellow(picture):
    """Rows and columns of the pixels in the colour of annotations."""
    drawn = np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB"), int)
    return set(zip(*np.nonzero(np.abs(drawn - (0xE8, 0xD2, 0x7A)).sum(axis=2) < 40), strict=True))


@pytest.mark.parametrize("rows, columns, factor", [(400, 400, 1), (1000, 1000, 0.5), (100, 100, 4)])
def test_a_box_lies_around_its_pixels(rows, columns, factor):
    box = (rows // 4, rows // 2, columns // 2, 3 * columns // 4)
    array = np.zeros((rows, columns))
    picture = show(array, box=box)
    assert f"a rectangle around rows {box[0]} to {box[1] - 1}, columns {box[2]} to {box[3] - 1}" in picture.says
    new = _yellow(picture) - _yellow(show(array))
    right = [(row, column) for row, column in new if column > 8 + factor * box[2] - 3]
    found = [min(r for r, _ in right), max(r for r, _ in right), min(c for _, c in right), max(c for _, c in right)]
    assert np.abs(np.array(found) - (8 + factor * np.array(box))).max() <= 2, found


def test_the_pipeline_says_when_its_last_step_changes_nothing():
    assert "the same as 3" in pipeline(images.image("ct_head")).says
    chest = pipeline(images.image("cr_chest_pa")).says
    assert "black and white change places" in chest and "the same as 3" not in chest


def test_the_histograms_of_the_pipeline_have_one_scale():
    axes = [ax for ax in pipeline(images.image("ct_head")).figure.axes if ax.get_xlabel()]
    assert len(axes) == 4 and {ax.get_yscale() for ax in axes} == {"log"} and len({ax.get_ylim() for ax in axes}) == 1
    assert axes[0].get_ylabel() == "pixels"


def test_the_widget_follows_its_sliders():
    viewer = window_viewer(images.image("ct_head"), says='A "crescent" & more.')
    buttons, center, width, state, picture = viewer._widget().children
    assert (center.value, width.value) == (40, 80) and "0 HU and less is black, more than 79 HU is white" in state.value
    before = picture.value
    next(one for one in buttons.children if one.description == "Bone").click()
    assert (center.value, width.value) == (500, 2000) and picture.value != before
    assert 'alt="CT image, window centre 500, width 2000' in picture.value and "&quot;crescent&quot; &amp;" in picture.value
    encoded = picture.value.split("base64,")[1].split('"')[0]
    assert Image.open(io.BytesIO(base64.b64decode(encoded))).size == (512, 512)
    width.value = 1
    assert "499.5 HU and less is black, more than 499.5 HU is white" in state.value


def test_importing_figures_loads_no_pyplot():
    code = "import sys, coursekit.figures as f, numpy; f.show(numpy.eye(4)).png; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_widget_starts_with_the_images_own_window_whatever_was_drawn_before():
    viewer = window_viewer(pydicom.dcmread(get_testdata_file("CT_small.dcm")))
    assert viewer.picture.png
    center, width = viewer._widget().children[1:3]
    assert (center.value, width.value) == (136, 2063), "the full range, as no window is in the header"


@pytest.mark.skipif(not shutil.which("dcm2pnm"), reason="dcm2pnm is not installed: greys were not compared with DCMTK's")
@pytest.mark.parametrize("name", ["ct_head", "cr_chest_pa"])
@pytest.mark.parametrize("seed", range(4))
def test_the_same_greys_as_dcmtk(name, seed, tmp_path):
    """DCMTK renders with the header's window and polarity; it has no padding, so only the rest is compared."""
    ds = images.image(name, seed)
    ds.save_as(tmp_path / "one.dcm", enforce_file_format=True)
    subprocess.run(["dcm2pnm", "+Wi", "1", "one.dcm", "one.pgm"], cwd=tmp_path, check=True, capture_output=True)
    theirs, ours = np.asarray(Image.open(tmp_path / "one.pgm"), int), Display(ds)
    assert np.abs(theirs - ours.grey)[~ours.padding].max() <= 1


@pytest.mark.skipif(not shutil.which("dcmdrle"), reason="dcmdrle is not installed: the RLE copy was not decoded by DCMTK")
def test_dcmtk_decodes_the_routers_copy(tmp_path):
    images.image("ct_head_rle").save_as(tmp_path / "one.dcm", enforce_file_format=True)
    subprocess.run(["dcmdrle", "one.dcm", "two.dcm"], cwd=tmp_path, check=True, capture_output=True)
    assert (pydicom.dcmread(tmp_path / "two.dcm").pixel_array == images.image("ct_head").pixel_array).all()
