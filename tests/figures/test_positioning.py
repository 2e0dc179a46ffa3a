"""The pictures of lesson cpas-03: drawn, and told in words."""

import numpy as np

from coursekit.figures import positioning


def test_planes_are_told():
    picture = positioning.planes()
    for word in ("axial", "coronal", "sagittal", "x grows to the patient's left"):
        assert word in picture.says
    assert picture.png.startswith(b"\x89PNG")


def test_the_beam_tells_how_much_it_enlarges():
    picture = positioning.beam([("near", 1800, 90), ("far", 1000, 200)])
    assert "1.05 times" in picture.says and "1.25 times" in picture.says
    assert picture.png.startswith(b"\x89PNG")


def test_a_sheet_tells_its_films_and_the_letters_at_all_edges():
    picture = positioning.sheet([("A", np.zeros((30, 20)), ("A", "FR"), "a breast"), ("B", np.zeros((10, 400)), None, "a strip")], "Two")
    assert "A: a breast; letters at the edges: right A, left P, bottom FR, top HL" in picture.says
    assert "B: a strip." in picture.says
    assert picture.png.startswith(b"\x89PNG")


def test_between_slices_there_is_a_mixture_and_the_slices_stay():
    stack = np.arange(24.0).reshape(3, 2, 4)
    fine = positioning.resliced(stack, 5)
    assert fine.shape == (11, 2, 4)
    assert np.allclose(fine[::5], stack) and np.allclose(fine[2], 0.6 * stack[0] + 0.4 * stack[1])
    assert np.allclose(positioning.resliced(stack[:, 1], 5), fine[:, 1])           # a plane out of it, as it is cut
    assert np.allclose(positioning.resliced(stack[:, :, 2], 5), fine[:, :, 2])
