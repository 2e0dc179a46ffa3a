"""The Grayscale Standard Display Function gives the values that PS3.14 prints."""

import pytest

from coursekit.standards import gsdf

# PS3.14 Table B-1.
PRINTED = ((1, 0.0500), (2, 0.0547), (3, 0.0594), (100, 1.8508), (512, 130.0700), (1023, 3993.4040))


@pytest.mark.parametrize(("j", "cd"), PRINTED)
def test_the_printed_values(j, cd):
    assert gsdf.luminance(j) == pytest.approx(cd, rel=5e-5, abs=5e-5)


def test_the_inverse_fits_the_function():
    """Its authors fitted it to the table; it is off by a few hundredths of an index, and not by a tenth."""
    worst = max(abs(gsdf.index(gsdf.luminance(j)) - j) for j in range(gsdf.FIRST, gsdf.LAST + 1))
    assert worst < 0.1
    assert gsdf.index(1.0) == pytest.approx(71.50, abs=0.01) and gsdf.index(350) == pytest.approx(653.12, abs=0.01)


def test_it_grows():
    levels = [gsdf.luminance(j) for j in range(gsdf.FIRST, gsdf.LAST + 1)]
    assert levels == sorted(levels) and len(set(levels)) == 1023


def test_equal_steps_of_the_index():
    wanted = gsdf.between(1.25, 420.25, 18)
    assert len(wanted) == 18 and wanted[0] == pytest.approx(1.25, rel=1e-3) and wanted[-1] == pytest.approx(420.25, rel=1e-3)
    steps = [gsdf.index(b) - gsdf.index(a) for a, b in zip(wanted, wanted[1:])]
    assert max(steps) - min(steps) < 0.2
