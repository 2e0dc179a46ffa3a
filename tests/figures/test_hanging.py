"""Pictures of a screen with tiles: they are drawn, and say what they show."""

import numpy as np

from coursekit.figures.hanging import screen, selection, small

GREY = np.tile(np.arange(200, dtype=np.uint8), (300, 1))


def tile(name, **changes):
    return {"name": name, "grey": GREY, "letters": ("A", "P"), "tells": name.split()[-1], **changes}


def test_a_screen_says_what_hangs_where():
    picture = screen(1, 2, [tile("current RCC", side="right"), tile("current LCC", grey=None)], "A case")
    assert "1 x 2 tiles" in picture.says and "tile 1, current RCC: RCC, A at its left edge and P at its right" in picture.says
    assert "tile 2, current LCC: empty" in picture.says
    assert picture.png[:4] == b"\x89PNG"


def test_a_screen_says_what_is_mirrored_and_what_is_not_known():
    picture = screen(1, 2, [tile("current RCC", mirrored=True), tile("prior RCC", letters=("?", "?"), earlier=True)], "A case")
    assert "tile 1, current RCC: RCC, mirrored, A at" in picture.says and "prior RCC: RCC, orientation unknown" in picture.says
    assert picture.png[:4] == b"\x89PNG"


def test_the_breast_lies_against_the_chest_wall():
    for side, where in (("left", 0), ("right", 1)):
        picture = screen(1, 1, [tile("current", side=side)], "A case")
        left, right, _, _ = picture.figure.axes[0].images[0].get_extent()
        box = picture.figure.axes[0].patches[0]
        gaps = left - box.get_x(), box.get_x() + box.get_width() - right
        assert gaps[where] == min(gaps)


def test_boxes_of_an_object_count_from_the_lower_left_corner():
    picture = screen(1, 2, [tile("upper", place=(0.0, 1.0, 0.5, 0.5)), tile("lower", place=(0.0, 0.5, 1.0, 0.0))], "Two")
    upper, lower = picture.figure.axes[0].patches
    assert upper.get_y() < lower.get_y() and upper.get_width() < lower.get_width()


def test_a_small_image_keeps_its_greys():
    assert small(GREY, 100).shape == (100, 66)
    assert abs(float(small(GREY, 100).mean()) - float(GREY[:, :198].mean())) < 1


def test_the_four_steps_are_told():
    picture = selection([("which", ["a", "b"], "here"), ("to where", ["c"], "there")], "Steps")
    assert "1 which: a b (in the object: here)" in picture.says and "2 to where: c" in picture.says
    picture.png
