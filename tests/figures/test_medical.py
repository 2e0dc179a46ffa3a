"""The pictures of lesson cpas-02: drawn, and told in words."""

import numpy as np

from coursekit.figures import medical
from coursekit.figures.medical import organs, parts, planes, thumbnails
from coursekit.hospital import hospital


def test_parts_are_told_in_order():
    pieces = [("peri", "prefix", "around"), ("card", "root", "heart"), ("itis", "suffix", "in\nflammation")]
    picture = parts([("pericarditis", pieces)], title="T")
    assert "pericarditis: peri (prefix) is around, card (root) is heart, itis (suffix) is in flammation" in picture.says
    assert picture.png.startswith(b"\x89PNG")


def test_a_kind_of_part_has_one_colour_wherever_it_stands(monkeypatch):
    painted = []
    box = medical._box
    monkeypatch.setattr(medical, "_box", lambda x, y, width, height, fill, line=1: painted.append(fill) or box(x, y, width, height, fill))
    parts([("ab", [("a", "prefix", "1"), ("b", "root", "2")]), ("cd", [("c", "root", "3"), ("d", "root", "4")])], title="T")
    prefix, *roots = painted
    assert len(set(roots)) == 1 and prefix not in roots


def test_organs_name_their_systems_and_the_sides():
    said = organs().says
    assert "right side is at the left" in said and "adrenal glands: endocrine" in said and "kidneys: urinary" in said
    assert organs().png.startswith(b"\x89PNG")


def test_planes_of_a_series():
    picture = planes(hospital(0, "tiny").image("ct_chest"), says="Three planes.")
    assert picture.says == "Three planes." and picture.png.startswith(b"\x89PNG")


def test_thumbnails_show_arrays_and_series_without_their_headers():
    first = np.zeros((30, 20), np.uint8)
    picture = thumbnails({"A": first, "B": [first, first + 200, first]}, says={"A": "dark", "B": "bright"}, columns=2)
    assert picture.says == "2 images without a label, each with a letter. A: dark. B: bright."
    assert picture.png.startswith(b"\x89PNG")
