"""Figures of quality control: the limits are those of the books, and the text says what the picture shows."""

import math

import pandas
import pytest

from coursekit.errors import CourseError
from coursekit.figures import quality

MONTHS = [f"2024-{month:02d}" for month in range(1, 13)]


def test_limits_of_a_share():
    # NIST/SEMATECH e-Handbook 6.3.3.2: 30 wafers of 50 chips, mean 0.2313, limits 0.0524 and 0.4102.
    low, high = quality.share_limits(0.2313, 50)
    assert low == pytest.approx(0.0524, abs=1e-4) and high == pytest.approx(0.4102, abs=1e-4)
    assert quality.share_limits(0.1, 10) == (0.0, pytest.approx(0.1 + 3 * math.sqrt(0.009)))
    assert quality.share_limits(0.9, 10)[1] == 1.0


def test_pareto():
    picture = quality.pareto({"motion": 5, "positioning": 12, "other": 3, "never": 0}, title="Rejects")
    assert picture.says == "Rejects: of 20 rejects, positioning 12 (together 60 %), motion 5 (together 85 %), other 3 (together 100 %), " \
        "never 0 (together 100 %)."
    assert quality.pareto(pandas.Series({"a": 1, "b": 2})).says.startswith("Pareto chart: of 3 rejects, b 2")
    assert picture.png[:4] == b"\x89PNG"
    for wrong in ({}, {"a": 0}, {"a": -1}, {"a": 1.5}, {"a": "2"}):
        with pytest.raises(CourseError):
            quality.pareto(wrong)


def test_intervals():
    picture = quality.intervals([("HIP", 0.1, 0.2, 0.35, 40), ("HAND", 0, 0, 0.49, 4)], least=30)
    assert "HIP 20.0 % (10.0 to 35.0, n = 40); HAND 0.0 % (0.0 to 49.0, n = 4)" in picture.says
    assert picture.png[:4] == b"\x89PNG"
    level = quality.intervals([("HIP", 0.1, 0.2, 0.35, 40)], level=0.1)
    assert level.says.endswith("A line stands at 10 %.") and list(level.figure.axes[0].lines[0].get_xdata()) == [10, 10]
    with pytest.raises(CourseError):
        quality.intervals([("HIP", 10, 20, 35, 40)])
    with pytest.raises(CourseError):
        quality.intervals([("HIP", 0.1, 0.2, 0.35, 40)], level=10)


def test_funnel_names_both_sides_or_nobody():
    rows = [("a", 200, 20), ("b", 200, 20), ("c", 200, 60), ("d", 200, 2), ("e", 5, 2), ("none", 0, 0)]
    picture = quality.funnel(rows, centre=0.1)
    assert "5 points" in picture.says and "Above the limit of 3 standard deviations: c (30.0 % of 200)." in picture.says
    assert "Below the limit of 3 standard deviations: d (1.0 % of 200)." in picture.says
    quiet = quality.funnel(rows, name=False)
    assert "Above" not in quiet.says and "around 12.9 %" in quiet.says
    assert picture.png != quality.funnel(rows, centre=0.1, name=False).png
    for wrong in ([], [("a", 10, 11)], [("a", 10.5, 1)], [("a", None, 1)]):
        with pytest.raises(CourseError):
            quality.funnel(wrong)


def test_p_chart_has_limits_by_size_a_baseline_and_seasons():
    rows = [(month, 400, 40) for month in MONTHS]
    rows[5], rows[8], rows[10] = ("2024-06", 40, 8), ("2024-09", 400, 80), ("2024-11", 400, 4)
    picture = quality.p_chart(rows, baseline=5)
    assert "Above the limits: 2024-09." in picture.says and "Below the limits: 2024-11." in picture.says      # June is small
    assert "Above" not in quality.p_chart(rows, baseline=5, verdict=False).says
    seasons = [0.1] * 8 + [0.2] + [0.1] * 3
    assert "Above the limits: none." in quality.p_chart(rows, centre=seasons).says
    assert "expected 10.0 % to 20.0 %" in quality.p_chart(rows, centre=seasons).says
    assert picture.png[:4] == b"\x89PNG"
    for wrong in ([0.1], [10.0] * 12, "x"):
        with pytest.raises((CourseError, TypeError)):
            quality.p_chart(rows, centre=wrong)


def test_single_values_use_the_moving_range():
    # Mean 10.5, mean moving range 1: limits 10.5 +- 2.66.
    rows = [(month, value) for month, value in zip(MONTHS, [10, 11] * 5 + [13.1, 7.9])]
    picture = quality.single_values(rows, baseline=10, unit="EI")
    assert "around 10.5 with limits 7.84 and 13.16" in picture.says and "Above the limits: none. Below the limits: none." in picture.says
    rows[-1] = ("2024-12", 13.2)
    assert "Above the limits: 2024-12." in quality.single_values(rows, baseline=10).says
    assert "Above" not in quality.single_values(rows, verdict=False).says
    for wrong in ([("a", 1)], [("a", 1), ("b", float("nan"))]):
        with pytest.raises(CourseError):
            quality.single_values(wrong)


def test_single_values_mark_what_stays_beyond_a_limit():
    rows = [(month, value) for month, value in zip(MONTHS, (0, 1, 0, 1, 0, 1, 9, 0, 9, 9, -9, 9))]
    said = quality.single_values(rows, baseline=6, running=2).says
    assert "Above the limits, 2 or more in a row: 2024-09, 2024-10. Below the limits, 2 or more in a row: none." in said
    every = quality.single_values(rows, baseline=6).says
    assert "Above the limits: 2024-07, 2024-09, 2024-10, 2024-12. Below the limits: 2024-11." in every
    assert quality.single_values(rows, span=(-20, 20)).figure.axes[0].get_ylim() == (-20, 20)


def test_whole_dates_along_a_chart_are_not_cut_off():
    drawn = quality.single_values([(f"2024-10-{day:02}", day % 3) for day in range(1, 27)], baseline=8)
    axes = drawn.figure.axes[0]
    drawn.figure.canvas.draw()
    assert all(label.get_window_extent().y0 >= 1 for label in axes.get_xticklabels())
