"""The pictures of displays: drawn, and told in words."""

import numpy as np
import pytest

from coursekit.errors import CourseError
from coursekit.figures.display import contrast, native_pixels, response
from coursekit.standards import gsdf

CALIBRATED = [one - 0.25 for one in gsdf.between(1.25, 420.25, 18)]
GAMMA = [1 + 419 * (level / 17) ** 2.2 for level in range(18)]


def test_response_tells_the_ends():
    picture = response({"left": (CALIBRATED, 0.25), "right": (GAMMA, 0.25)}, title="T")
    assert picture.says.startswith("T: ") and "left: 1.25 to 420 cd/m2" in picture.says and "right: 1.25 to 420 cd/m2" in picture.says
    assert picture.png.startswith(b"\x89PNG")


def test_response_over_other_levels():
    picture = response({"panel": (GAMMA, 0.5)}, last=1023, called="driving level")
    axes = picture.figure.axes[0]
    assert "over the driving level" in picture.says and "at level 542, where" in picture.says
    assert axes.get_xlabel() == "driving level" and axes.get_xticks()[-1] == 1023


def test_contrast_names_the_steps_beyond_the_limit():
    assert "Beyond the limit: none." in contrast(CALIBRATED, 0.25, 10).says
    said = contrast(GAMMA, 0.25, 10, title="T").says
    assert "Beyond the limit: 0 to 15" in said and "between levels" in said
    assert contrast(GAMMA, 0.25, 10).png.startswith(b"\x89PNG")
    # In a bright room the same calibrated display loses its dark steps.
    assert "-" in contrast(CALIBRATED, 6, 10).says.split("Largest deviation ")[1][:2]


def test_many_displays_get_a_panel_each_with_the_same_scales():
    picture = response({str(number): (CALIBRATED, 0.25 * number) for number in range(1, 7)}, title="T")
    axes = picture.figure.axes
    assert len(axes) == 6 and len({one.get_ylim() for one in axes}) == 1
    assert picture.says.count("where the GSDF wants") == 6
    assert len(response({"1": (CALIBRATED, 0.25), "2": (GAMMA, 0.25)}).figure.axes) == 1


def test_a_contrast_that_is_far_too_high_is_cut_off_and_told():
    crushed = [1 + 0.01 * level if level < 4 else one for level, one in enumerate(CALIBRATED)]
    picture = contrast(crushed, 0.25, 10)
    low, high = picture.figure.axes[0].get_ylim()
    assert (low, high) == (-110, 110)
    numbers = [text.get_text() for text in picture.figure.axes[0].texts]
    assert any(one.startswith("+") and one.endswith(" %") for one in numbers)


def test_native_pixels():
    grid = np.indices((20, 20)).sum(axis=0) % 2 * 255
    picture = native_pixels([("one", grid, (0, 8, 0, 8), "a chess board"), ("two", grid, (0, 4, 0, 8), "half of it")], zoom=5, title="T")
    assert "one, 8 by 8 pixels: a chess board; two, 8 by 4 pixels: half of it." in picture.says
    assert picture.figure.get_figwidth() * 100 == pytest.approx(16 + 2 * (40 + 16))


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(CourseError, match="Three readings"):
        response({"x": ([1, 2], 0.1)})
    with pytest.raises(CourseError, match="Three readings"):
        contrast([0, 0, 0], 0, 10)
    with pytest.raises(CourseError, match="cut-out"):
        native_pixels([("x", np.zeros((4, 4)), (5, 9, 0, 4), "nothing")])
