"""The pictures of the modalities: what they say, how they fit together, and that they are drawn."""

import numpy as np
import pytest

from coursekit.errors import CourseError
from coursekit.figures.modalities import Tile, fusion_viewer, gallery, onto, regions
from coursekit.hospital import images


def _slice(rows, spacing, corner, frame="2.999.1"):
    """A transverse slice in which each pixel has its own value: row times 100 and column."""
    from pydicom.dataset import Dataset

    ds = images.image("pt_torso", 0)[0]
    ds.Rows = ds.Columns = rows
    ds.PixelSpacing, ds.ImagePositionPatient, ds.FrameOfReferenceUID = [spacing] * 2, [*corner, 0], frame
    ds.RescaleSlope, ds.RescaleIntercept = 1, 0
    ds.PixelData = (np.arange(rows)[:, None] * 100 + np.arange(rows)[None, :]).astype("<i2").tobytes()
    assert isinstance(ds, Dataset)
    return ds


def test_a_gallery_names_what_each_tile_shows():
    tiles = [Tile("A", np.arange(600).reshape(20, 30), "a ramp"), Tile("B", np.zeros((3, 8, 8)), "nothing.", frame=2, window=(0, 2)),
             Tile("C", np.eye(40), "a line", crop=(0, 20, 0, 20))]  # fmt: skip
    picture = gallery(tiles, columns=2, size=100)
    assert picture.png.startswith(b"\x89PNG")
    assert picture.says == "3 images side by side. A: a ramp. B: nothing. C: a line."
    assert picture.figure.get_figwidth() == 2.3


def test_a_gallery_describes_what_a_look_finds_when_asked():
    tiles = [Tile("A", np.eye(8), "a square", finds="A square with a line"), Tile("B", np.eye(8), "a line")]
    assert gallery(tiles, size=40).says == "2 images side by side. A: a square. B: a line."
    assert gallery(tiles, size=40, describe=True).says == "2 images side by side. A: A square with a line. B: a line."


def test_a_frame_is_shown_in_the_window_of_its_header():
    run = images.image("xa_dsa", 0)
    picture = gallery([Tile("run", run, "x", frame=5)])
    shown = picture.figure.axes[0].images[0].get_array()
    assert shown.min() < 60 and shown.max() == 255


def test_regions_are_outlined_and_told():
    picture = regions(images.image("us_carotid", 0), row=343, says="A spectrum.")
    assert picture.png.startswith(b"\x89PNG")
    assert "region 0: columns 120 to 519, rows 12 to 291" in picture.says and "row 343. A spectrum." in picture.says


def test_the_upper_image_is_put_where_its_coordinates_say():
    below, above = _slice(32, 1.0, (0.0, 0.0)), _slice(8, 4.0, (2.0, 1.0))
    values = onto(below, above)
    assert values.shape == (32, 32)
    assert values[1, 2] == 0 and values[5, 6] == pytest.approx(101) and values[1 + 8, 2 + 12] == pytest.approx(203)
    assert values[3, 2] == pytest.approx(50)              # half way between two rows
    assert values[31, 31] == pytest.approx(707 * 0.5 * 0.75)  # beyond the last row and column it fades to nothing


def test_the_fusion_of_the_pet_ct_has_its_spot_where_the_lesion_is():
    pet, ct = images.image("pt_torso", 0), images.image("ct_pet", 0)
    x, y, z = images.truth("pt_torso", 0)["lesions"]["lesion"]["centre"]
    number = min(range(len(pet)), key=lambda place: abs(float(pet[place].ImagePositionPatient[2]) - z))
    values = onto(ct[number], pet[number])
    row, column = np.unravel_index(values.argmax(), values.shape)
    corner, spacing = ct[number].ImagePositionPatient, float(ct[number].PixelSpacing[0])
    assert abs(float(corner[0]) + column * spacing - x) < 10 and abs(float(corner[1]) + row * spacing - y) < 10


def test_the_fusion_mixes_and_says_what_is_seen():
    viewer = fusion_viewer(_slice(32, 1.0, (0.0, 0.0)), _slice(8, 4.0, (0.0, 0.0)), 500, 1000, says="A ramp.")
    grey, colour, mixed = (viewer.mixed(share).astype(int) for share in (0, 100, 50))
    assert (grey[..., 0] == grey[..., 2]).all() and not (colour[..., 0] == colour[..., 2]).all()
    assert np.abs(mixed - (grey + colour) / 2).max() <= 1
    assert viewer.picture.png.startswith(b"\x89PNG")
    assert repr(viewer).startswith("Picture: A slice of PT in colour over the PT slice") and repr(viewer).endswith("A ramp.")


def test_the_slider_mixes():
    widget = fusion_viewer(_slice(32, 1.0, (0.0, 0.0)), _slice(8, 4.0, (0.0, 0.0)), says="A ramp.")._widget()
    slider, state, picture = widget.children
    before = picture.value
    slider.value = 80
    assert "80 % PT, 20 % PT." in state.value and picture.value != before and 'alt="80 % PT' in picture.value


def test_images_without_a_common_frame_of_reference_are_not_laid_over_each_other():
    with pytest.raises(CourseError, match="no Frame of Reference UID"):
        fusion_viewer(_slice(8, 1.0, (0, 0)), _slice(8, 1.0, (0, 0), "2.999.2"))
