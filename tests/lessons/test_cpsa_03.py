"""What learners give in lesson cpsa-03 beyond the solutions and wrong ways, and the data that they are asked about."""

import math
import random
import statistics

import numpy as np
import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.lessons import cpsa_03_test_patterns as own
from coursekit.lessons.cpsa_03_test_patterns import (COEFFICIENTS, LIMITS, ContrastError, Creep, PatternFaults, contrast_error, lesson,
                                                     patch)
from coursekit.standards import gsdf

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"), lambda: [])


def judged(name, editions, *given):
    return EXERCISES[name].judge(given, editions)


# --- the JND index

def by_search(cd):
    low, high = 1.0, 1023.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if gsdf.luminance(middle) < cd else (low, middle)
    return low


@pytest.mark.parametrize("given", [
    gsdf.index, by_search, lambda cd: np.polyval(COEFFICIENTS[::-1], np.log10(cd)), lambda cd: f"{gsdf.index(cd):.1f}",
    lambda cd: [gsdf.index(cd)], lambda cd: sum(f * (math.log(cd) / math.log(10)) ** p for p, f in enumerate(COEFFICIENTS)),
])
def test_right_ways_to_the_index(editions, given):
    assert judged("JndIndex", editions, given).correct


@pytest.mark.parametrize(("given", "label"), [
    (lambda cd: math.ceil(gsdf.index(cd)), "value"), (lambda cd: gsdf.index(cd) - 1, "value"), (gsdf.luminance, None),
    (lambda cd: sum(COEFFICIENTS[power] * math.log10(cd) ** power for power in range(1, 9)), "the_first_left_out"),
    (lambda cd: round(gsdf.index(cd)), "whole_number"), (lambda cd: print(gsdf.index(cd)), "unreadable"),
    (lambda cd: COEFFICIENTS[0] + COEFFICIENTS[1] * math.log10(cd) ^ 1, "a_caret_for_the_power"),
    (lambda cd: 1023 * math.log10(cd / 0.05) / math.log10(4000 / 0.05), "value"),
])
def test_wrong_ways_to_the_index(editions, given, label):
    verdict = judged("JndIndex", editions, given)
    assert verdict.outcome is Outcome.NOT_YET and (label is None or verdict.label == label), verdict


# --- contrast and verdict

def with_arrays(readings, ambient):
    light = np.array(readings) + ambient
    first, last = gsdf.index(light[0]), gsdf.index(light[-1])
    wanted = np.array([gsdf.luminance(j) for j in np.linspace(first, last, 18)])

    def contrast(levels):
        return np.diff(levels) / ((levels[1:] + levels[:-1]) / 2)
    return np.abs(contrast(light) / contrast(wanted) - 1).max() * 100


@pytest.mark.parametrize("given", [
    with_arrays, lambda readings, ambient: f"{contrast_error(readings, ambient):.1f} %",
    lambda readings, ambient: round(contrast_error(readings, ambient), 1),
    lambda readings, ambient: np.float32(with_arrays(readings, ambient)),
    lambda readings, ambient: max(contrast_error(readings, ambient), 0),
])
def test_right_ways_to_the_contrast_error(editions, given):
    assert judged("ContrastError", editions, given).correct


def test_an_unknown_mistake_in_the_contrast_is_told_the_first_step(editions):
    assert "first step" in judged("ContrastError", editions, lambda *case: contrast_error(*case) + 3).message


@pytest.mark.parametrize(("given", "label"), [
    (lambda readings, ambient: contrast_error(readings, ambient) / 100, "a_fraction"),
    (lambda readings, ambient: round(contrast_error(readings, ambient)), "whole_percent"),
    (ContrastError.difference_of_the_contrasts, "difference_of_the_contrasts"),
    (lambda readings, ambient: [one for one in readings + ambient], "added_to_the_list"),
    (lambda readings, ambient: -contrast_error(readings, ambient), "value"),
    (lambda readings, ambient: contrast_error(readings[:-1], ambient), "beyond_the_last_level"),
    (lambda readings, ambient: contrast_error([one - ambient for one in readings], ambient), "without_ambient"),
    (lambda readings, ambient: contrast_error([one + ambient for one in readings], ambient), "value"),
    (lambda readings, ambient: contrast_error(readings, ambient) > 10, "unreadable"),
    (ContrastError.by_the_darker_one, "by_the_darker_one"), (ContrastError.target_veiled_afterwards, "target_veiled_afterwards"),
])
def test_wrong_ways_to_the_contrast_error(editions, given, label):
    verdict = judged("ContrastError", editions, given)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict


def test_a_deviation_below_zero_is_told(editions):
    assert "below zero" in judged("ContrastError", editions, lambda *case: -contrast_error(*case)).message


def verdict_of(use, readings, ambient):
    limits, white, black = LIMITS[use], readings[-1] + ambient, readings[0] + ambient
    broken = {"luminance": white < limits["luminance"], "ratio": white < limits["ratio"] * black,
              "contrast": not with_arrays(readings, ambient) <= limits["contrast"]}
    return {name for name, found in broken.items() if found}


@pytest.mark.parametrize("given", [
    verdict_of, lambda *case: sorted(verdict_of(*case)), lambda *case: ", ".join(one.upper() for one in verdict_of(*case)) or [],
    lambda *case: {name: name in verdict_of(*case) for name in ("ratio", "contrast", "luminance")},
    lambda *case: tuple(verdict_of(*case)) * 2, lambda *case: np.array(sorted(verdict_of(*case))),
])
def test_right_verdicts(editions, given):
    assert judged("BrokenLimits", editions, given).correct


@pytest.mark.parametrize("given", [
    lambda *case: [], lambda *case: ["luminance", "ratio", "contrast"], lambda *case: len(verdict_of(*case)),
    lambda *case: "fit" if not verdict_of(*case) else sorted(verdict_of(*case)),
    lambda use, readings, ambient: verdict_of("clinical", readings, ambient), lambda use, *rest: verdict_of("mammography", *rest),
    lambda use, readings, ambient: verdict_of(use, readings, 0.25), lambda *case: not verdict_of(*case),
])
def test_wrong_verdicts(editions, given):
    assert judged("BrokenLimits", editions, given).outcome is Outcome.NOT_YET


def with_ratio(ratio):
    """The right verdict, but that on the ratio by `ratio(white, black, ambient)` of the panel alone."""
    def given(use, readings, ambient):
        rest = verdict_of(use, readings, ambient) - {"ratio"}
        return rest | {"ratio"} if ratio(readings[-1], readings[0], ambient) < LIMITS[use]["ratio"] else rest
    return given


def by_limits(use, name, value):
    """The right verdict, but with another limit."""
    def given(asked, readings, ambient):
        limits = {**LIMITS[asked], name: value} if asked == use else LIMITS[asked]
        return own._broken(own._figures_of(readings, ambient), limits)
    return given


@pytest.mark.parametrize(("use", "name", "value"), [
    ("mammography", "luminance", 410), ("mammography", "luminance", 421), ("clinical", "luminance", 199), ("clinical", "luminance", 203),
    ("clinical", "ratio", 99), ("clinical", "ratio", 120), ("mammography", "ratio", 249), ("mammography", "ratio", 270),
    ("diagnostic", "contrast", 9.8), ("diagnostic", "contrast", 10.1), ("mammography", "contrast", 14), ("clinical", "contrast", 21),
    ("clinical", "contrast", 19),
])
def test_a_limit_that_is_a_little_off_is_refused_and_not_taken_for_a_list_that_grows(editions, use, name, value):
    verdict = judged("BrokenLimits", editions, by_limits(use, name, value))
    assert verdict.outcome is Outcome.NOT_YET and f"`{name}`" in verdict.message and "begin empty" not in verdict.message, verdict


def test_the_contrast_in_the_verdict_is_of_all_steps_and_not_rounded(editions):
    def but_the_last_step(use, readings, ambient):
        worst = max(map(abs, own._deviations(readings, ambient)[:-1]))
        return own._broken({**own._figures_of(readings, ambient), "contrast": worst}, LIMITS[use])
    assert judged("BrokenLimits", editions, but_the_last_step).outcome is Outcome.NOT_YET
    assert "round before you judge" in judged("BrokenLimits", editions, with_digits(None, None, 1)).message


def with_digits(*digits):
    """The verdict with luminance, ratio and contrast rounded to so many digits."""
    def given(use, readings, ambient):
        figures = own._figures_of(readings, ambient)
        return own._broken({name: figures[name] if one is None else round(figures[name], one)
                            for name, one in zip(own.NAMES, digits)}, LIMITS[use])
    return given


@pytest.mark.parametrize(("given", "label"), [
    (with_ratio(lambda white, black, ambient: white / black), "ratio_of_the_panel"),
    (with_ratio(lambda white, black, ambient: (white + ambient) / black), "ambient_in_white_alone"),
    (with_ratio(lambda white, black, ambient: white + ambient / black + ambient), "ratio_without_any_brackets"),
    (with_ratio(lambda white, black, ambient: (white + ambient) / black + ambient), "ratio_without_brackets_below"),
    (with_digits(0, 0, 0), "rounded"), (own.BrokenLimits.light_twice, "light_twice"), (own.BrokenLimits.turned_round, "turned_round"),
])
def test_wrong_verdicts_are_told_apart(editions, given, label):
    assert judged("BrokenLimits", editions, given).label == label


@pytest.mark.parametrize("digits", [(0, None, None), (None, 0, None), (None, None, 0), (1, None, None)])
def test_rounding_one_number_before_judging_is_told(editions, digits):
    verdict = judged("BrokenLimits", editions, with_digits(*digits))
    assert verdict.outcome is Outcome.NOT_YET and "round before you judge" in verdict.message, verdict


def test_an_unknown_mistake_in_the_verdict_is_told_the_numbers(editions):
    message = judged("BrokenLimits", editions, lambda *case: sorted(verdict_of(*case))[1:]).message
    assert "is missing" in message and "makes a ratio of" in message and "round before" not in message
    grown = []
    assert "begin empty" in judged("BrokenLimits", editions, lambda *case: grown.extend(verdict_of(*case)) or list(grown)).message
    assert "names of the limits" in judged("BrokenLimits", editions, lambda *case: len(verdict_of(*case))).message


def test_the_verdicts_on_the_six_displays(editions):
    for seed in range(10):
        h = hospital(seed, "tiny")
        table = lesson.input_of("readings", h)
        for (date, name, use), rows in table.groupby(["date", "display", "use"]):
            broken = verdict_of(use, rows.luminance.tolist(), rows.ambient.iloc[0])
            fault = h.logs.display_faults[name]
            if date == "2024-07-02" or fault is None:
                assert not broken, (seed, name, date)
            if date == "2025-04-01" and fault is not None:
                assert broken and ("luminance" in broken) == (fault == "backlight aged"), (seed, name, fault, broken)


# --- calibration

def nearest(native, ambient):
    light = np.array(native) + ambient
    return [int(np.abs(light - cd).argmin()) for cd in gsdf.between(light[0], light[-1], 256)]


def at_least(native, ambient):
    light = np.array(native) + ambient
    return np.minimum(np.searchsorted(light, gsdf.between(light[0], light[-1], 256)), 1023)


def at_most(native, ambient):
    light = np.array(native) + ambient
    return [max(0, int(place) - 1) for place in np.searchsorted(light, gsdf.between(light[0], light[-1], 256), side="right")]


def by_index(native, ambient):
    steps = [gsdf.index(one + ambient) for one in native]
    return [min(range(1024), key=lambda level, p=p: abs(steps[level] - steps[0] - (steps[-1] - steps[0]) * p / 255)) for p in range(0, 256)]


@pytest.mark.parametrize("given", [
    nearest, at_least, at_most, by_index, lambda *case: [float(one) for one in nearest(*case)], lambda *case: tuple(nearest(*case)),
    lambda *case: dict(enumerate(nearest(*case))), lambda *case: [str(one) for one in nearest(*case)],
    lambda *case: ", ".join(map(str, nearest(*case))),
])
def test_right_tables(editions, given):
    verdict = judged("Calibrate", editions, given)
    assert verdict.correct, verdict


@pytest.mark.parametrize(("given", "says"), [
    (lambda native, ambient: nearest(native, ambient)[:255], "255 entries"),
    (lambda native, ambient: gsdf.between(1, 350, 256), "no whole number"),
    (lambda native, ambient: [4 * p + 4 for p in range(256)], "go from 0 to 1023"), (lambda native, ambient: 7, "list of 256"),
    (lambda native, ambient: print(ambient), "return"), (lambda native, ambient: [0] * 256, "white"),
    (lambda native, ambient: [one + 5 for one in nearest(native, ambient)[:-3]] + [1023] * 3, "photometer"),
    (lambda native, ambient: [nearest(native, ambient)[p // 2 * 2] for p in range(256)], "photometer"),
    (lambda native, ambient: [one - one % 32 for one in nearest(native, ambient)[:-1]] + [1023], "photometer"),
    (lambda native, ambient: nearest([one**0.5 for one in native], ambient), "photometer"),
    (lambda native, ambient: nearest(native, 3 * ambient), "photometer"),
    (lambda native, ambient: ["one"] * 256, "is text; each entry"), (lambda native, ambient: [float("nan")] * 256, "no whole number"),
    (lambda native, ambient: native.clear(), "return"), (lambda native: [0] * 256, "argument"),
    (lambda native, ambient: stairs_of(5, nearest(native, ambient)), "driving levels below"),
    (lambda native, ambient: [one if p % 5 == 0 else 0 for p, one in enumerate(nearest(native, ambient))], "driving levels below"),
    (lambda native, ambient: [0 if p == 1 else one for p, one in enumerate(nearest(native, ambient))], "Entry 1 of the table"),
    (lambda native, ambient: [min(1020, one) for one in nearest(native, ambient)], "driving levels below"),
    (lambda native, ambient: np.interp(range(256), range(0, 256, 5), nearest(native, ambient)[::5]).round().astype(int), "driving levels"),
])
def test_wrong_tables_are_told_what_the_photometer_finds(editions, given, says):
    verdict = judged("Calibrate", editions, given)
    assert verdict.outcome is Outcome.NOT_YET
    assert says in verdict.message or verdict.label in {way.__name__ for way in EXERCISES["Calibrate"].wrong_ways}, verdict


def stairs_of(wide, table):
    return [table[p // wide * wide] for p in range(256)]


def first_that_reach(native, ambient, wanted):
    """The first level that reaches each luminance, found as the exercise suggests, for whatever was wanted."""
    table, level = [], 0
    for cd in wanted:
        while level < 1023 and native[level] + ambient < cd:
            level += 1
        table.append(level)
    return table


@pytest.mark.parametrize(("given", "label"), [
    (lambda native, ambient: first_that_reach(native, 0, gsdf.between(native[0] + ambient, native[-1] + ambient, 256)),
     "ambient_in_the_target_alone"),
    (lambda native, ambient: first_that_reach(native, 0, gsdf.between(native[0], native[-1], 256)), "without_ambient"),
    (lambda native, ambient: first_that_reach(native, ambient, gsdf.between(1, 350, 256)), "one_for_all"),
    (lambda native, ambient: [int(1023 * p / 255) for p in range(256)], "straight_through"),
    (lambda native, ambient: own.Calibrate.without_an_end(native, ambient), "without_an_end"),
])
def test_a_misconception_about_tables_is_known_however_it_searches(editions, given, label):
    assert judged("Calibrate", editions, given).label == label


@pytest.mark.parametrize("seed", range(10))
def test_no_right_table_comes_near_the_limit(seed):
    exercise = EXERCISES["Calibrate"]
    for case in exercise.cases_on(hospital(seed, "tiny")):
        for way in (nearest, at_least, at_most):
            table = np.array(way(*case))
            light = (np.array(case[0])[table] + case[1]).tolist()
            wanted = gsdf.between(case[0][0] + case[1], case[0][-1] + case[1], 256)
            off = [abs(((b - a) / (a + b)) / ((d - c) / (c + d)) - 1)
                   for a, b, c, d in zip(light[::5], light[5::5], wanted[::5], wanted[5::5])]
            assert max(off) < 0.125
            read = exercise.answer.result.read(own.Tested([max(0, one - 1) for one in table.tolist()], *case))
            assert read["away"] is None                     # there is room for one level more


# --- patterns

def faults_of(picture, places):
    cut = {name: patch(picture.astype(float), place) for name, place in places.items()}
    rows, columns = cut["lines across"], cut["lines upright"]
    return {name for name, found in (
        ("banded", len({*cut["ramp"].ravel().tolist()}) < 200), ("black", cut["5 %"].mean() < cut["black"].mean() + 4),
        ("white", cut["95 %"].mean() > cut["white"].mean() - 4),
        ("scaled", (abs(rows[1:] - rows[:-1]) < 200).any() or (abs(columns[:, 1:] - columns[:, :-1]) < 200).any())) if found}


def slowly(picture, places):
    """With loops and Python's own numbers, as somebody would write it who knows no numpy."""
    def cut(name):
        top, bottom, left, right = places[name]
        return [[int(one) for one in row[left:right]] for row in picture[top:bottom]]

    def mean(rows):
        return sum(map(sum, rows)) / sum(map(len, rows))

    found = []
    if mean(cut("5 %")) - mean(cut("black")) < 4:
        found.append("Black")
    if mean(cut("white")) - mean(cut("95 %")) < 4:
        found.append("White")
    across, upright = cut("lines across"), list(zip(*cut("lines upright")))
    if any(abs(a - b) < 200 for lines in (across, upright) for one, other in zip(lines, lines[1:]) for a, b in zip(one, other)):
        found.append("Scaled")
    if len({one for row in cut("ramp") for one in row}) < 200:
        found.append("Banded")
    return found


@pytest.mark.parametrize("given", [
    faults_of, slowly, lambda *case: sorted(faults_of(*case)),
    lambda *case: [{name: name in found for name in ("black", "white", "scaled", "banded")} for found in [faults_of(*case)]][0],
    lambda picture, places: PatternFaults.solution(picture.astype(np.int16), places),
])
def test_right_ways_to_the_faults(editions, given):
    assert judged("PatternFaults", editions, given).correct


@pytest.mark.parametrize(("given", "label"), [
    (lambda picture, places: faults_of(picture[::2, ::2], places), None), (lambda picture, places: [], None),
    (lambda picture, places: PatternFaults.solution(picture, places)[-1:], None),
    (lambda picture, places: [one for one in faults_of(picture, places) if one != "banded"], "never_banded"),
    (lambda picture, places: ["black" if len(np.unique(picture)) < 250 else "white"], None),
    (lambda picture, places: "black, white", None),
])
def test_wrong_ways_to_the_faults(editions, given, label):
    verdict = judged("PatternFaults", editions, given)
    assert verdict.outcome is Outcome.NOT_YET and (label is None or verdict.label == label), verdict


def scaled_by(rule):
    """The right faults, but "scaled" as `rule(differences across, differences upright)` says."""
    def given(picture, places):
        across = np.diff(patch(picture.astype(int), places["lines across"]), axis=0)
        upright = np.diff(patch(picture.astype(int), places["lines upright"]), axis=1)
        rest = faults_of(picture, places) - {"scaled"}
        return rest | {"scaled"} if rule(across, upright) else rest
    return given


def measured_by(middle=np.mean, size=False, ramp=slice(None), lines=np.min):
    """The faults, with the mean, the sign, the ramp or the smallest difference replaced."""
    def given(picture, places):
        cut = {name: patch(picture.astype(int), place) for name, place in places.items()}
        black, white = middle(cut["5 %"]) - middle(cut["black"]), middle(cut["white"]) - middle(cut["95 %"])
        steps = min(lines(np.abs(np.diff(cut["lines across"], axis=0))), lines(np.abs(np.diff(cut["lines upright"], axis=1))))
        return [name for name, found in (
            ("black", (abs(black) if size else black) < 4), ("white", (abs(white) if size else white) < 4), ("scaled", steps < 200),
            ("banded", len(np.unique(cut["ramp"][ramp])) < 200)) if found]
    return given


def test_an_inverted_capture_a_dithered_ramp_and_a_median_tell_right_from_wrong(editions):
    assert judged("PatternFaults", editions, measured_by()).correct
    for wrong in (measured_by(size=True), measured_by(ramp=0), measured_by(ramp=-1), measured_by(middle=np.median),
                  measured_by(lines=np.median)):
        verdict = judged("PatternFaults", editions, wrong)
        assert verdict.outcome is Outcome.NOT_YET and verdict.label == "value" and "4, 4, 200 and 200" in verdict.message, verdict


@pytest.mark.parametrize(("given", "label"), [
    (scaled_by(lambda across, upright: np.abs(across).min() < 200 and np.abs(upright).min() < 200), "in_both_directions"),
    (scaled_by(lambda across, upright: np.abs(across).mean() < 200 or np.abs(upright).mean() < 200), "the_mean_step"),
    (scaled_by(lambda across, upright: across.min() < 200 or upright.min() < 200), "always_scaled"),
    (scaled_by(lambda across, upright: np.abs(across[:, 0]).min() < 200 or np.abs(upright[0]).min() < 200), "one_line_of_pixels"),
    (scaled_by(lambda across, upright: np.abs(across[:, 5]).min() < 200 or np.abs(upright[7]).min() < 200), "one_line_of_pixels"),
    (scaled_by(lambda across, upright: np.abs(upright).min() < 200), "lines_upright_alone"),
    (PatternFaults.absolute_ends, "absolute_ends"), (PatternFaults.values_of_the_whole_capture, "values_of_the_whole_capture"),
])
def test_wrong_ideas_of_faults_are_told_apart(editions, given, label):
    verdict = judged("PatternFaults", editions, given)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict


def with_limits(black=4, white=4, lines=200, values=200):
    """The faults by other limits."""
    def given(picture, places):
        cut = {name: patch(picture.astype(int), place) for name, place in places.items()}
        steps = min(np.abs(np.diff(cut["lines across"], axis=0)).min(), np.abs(np.diff(cut["lines upright"], axis=1)).min())
        return [name for name, found in (
            ("black", cut["5 %"].mean() - cut["black"].mean() < black), ("white", cut["white"].mean() - cut["95 %"].mean() < white),
            ("scaled", steps < lines), ("banded", len(np.unique(cut["ramp"])) < values)) if found]
    return given


@pytest.mark.parametrize("limits", [
    {"black": 5}, {"black": 3}, {"black": 4.001}, {"white": 5}, {"white": 3}, {"lines": 100}, {"lines": 199}, {"lines": 201},
    {"values": 201}, {"values": 199},
])
def test_other_limits_are_refused_and_told_what_is_measured(editions, limits):
    assert judged("PatternFaults", editions, with_limits()).correct
    verdict = judged("PatternFaults", editions, with_limits(**limits))
    assert verdict.outcome is Outcome.NOT_YET and "4, 4, 200 and 200" in verdict.message, verdict


@pytest.mark.parametrize("name", ["faults_at_the_limit", "whole_greys"])
def test_slips_at_the_limits_of_a_capture_have_a_message(editions, name):
    assert judged("PatternFaults", editions, getattr(PatternFaults, name)).label == name


def test_signs_that_were_left_in_are_among_the_slips_that_are_told(editions):
    verdict = judged("PatternFaults", editions, scaled_by(lambda across, upright: across.min() < 200))
    assert "np.abs" in verdict.message


def test_an_unknown_mistake_is_told_what_there_is_to_be_measured(editions):
    message = judged("PatternFaults", editions, lambda picture, places: []).message
    assert "different values" in message and "q5.failed[0]" in message


def test_an_error_does_not_print_a_picture(editions):
    verdict = judged("PatternFaults", editions, lambda picture, places: picture + places)
    assert verdict.label == "error" and "array" not in verdict.message and len(verdict.message) < 900


def test_each_fault_and_a_sound_picture_are_among_the_captures():
    for seed in range(5):
        found = [tuple(sorted(faults_of(*case))) for case in EXERCISES["PatternFaults"].cases_on(hospital(seed, "tiny"))]
        assert {(), ("black",), ("white",), ("scaled",), ("banded",), ("black", "scaled")} <= set(found)


# --- plates

def test_plate_numbers_in_other_forms(editions):
    right = EXERCISES["PlateNumbers"].computed(EXERCISES["PlateNumbers"].solution, editions.own)
    assert judged("PlateNumbers", editions, {name.upper(): f"{value:.2f}" for name, value in right.items()}).correct
    assert judged("PlateNumbers", editions, {**right, "ghost": f"{right['ghost']:.2f} %"}).correct
    assert judged("PlateNumbers", editions, list(right.items())).correct
    assert judged("PlateNumbers", editions, {name: np.float64(value) for name, value in right.items()}).correct
    flat = lesson.input_of("flat_plate", editions.own)
    middle = patch(flat.pixel_array, lesson.input_of("plate_places", editions.own)["middle"]).astype(float)
    assert judged("PlateNumbers", editions, {**right, "snr": middle.mean() / middle.std(ddof=1)}).correct


@pytest.mark.parametrize(("name", "change"), [
    ("uniformity", lambda value: value / 100), ("uniformity", lambda value: 100 - value), ("snr", lambda value: 20 * math.log10(value)),
    ("ghost", lambda value: value / 100), ("ghost", lambda value: 100 + value), ("ghost", lambda value: value + 1),
    ("snr", lambda value: 1 / value), ("uniformity", lambda value: value + 0.05), ("ghost", lambda value: value - 0.15),
])
def test_plate_numbers_that_are_wrong(editions, name, change):
    right = EXERCISES["PlateNumbers"].computed(EXERCISES["PlateNumbers"].solution, editions.own)
    verdict = judged("PlateNumbers", editions, {**right, name: change(right[name])})
    assert verdict.outcome is Outcome.NOT_YET and (f"`{name}`" in verdict.message or verdict.label.islower()), verdict


@pytest.mark.parametrize(("name", "given", "says"), [
    ("uniformity", lambda flat, low, places: evenness(low, places, own.FIVE), "low_plate"),
    ("uniformity", lambda flat, low, places: evenness(flat, places, list(places)), "seven places"),
    ("snr", lambda flat, low, places: patch(low.pixel_array, places["middle"]).mean() / patch(low.pixel_array, places["middle"]).std(),
     "low_plate"),
    ("uniformity", lambda flat, low, places: 200 * np.ptp(flat.pixel_array.astype(float)) / float(
        flat.pixel_array.astype(float).max() + flat.pixel_array.min()), "pixel"),
    ("uniformity", lambda flat, low, places: 100 * (1 - 1 / highest_over_lowest(flat, places)), "divided by one"),
    ("uniformity", lambda flat, low, places: 100 * np.ptp(own._means(flat, places, own.FIVE)) / np.mean(own._means(flat, places, own.FIVE)),
     "mean of all five"),
    ("snr", lambda flat, low, places: (lambda corner: corner.mean() / corner.std())(patch(flat.pixel_array, places["top left"])),
     "at `top left`"),
    ("uniformity", lambda flat, low, places: 100 * (highest_over_lowest(flat, places) - 1), "divided by one"),
    ("uniformity", lambda flat, low, places: 7, "rounded"), ("uniformity", lambda flat, low, places: 6.5, "rounded"),
    ("snr", lambda flat, low, places: 45, "rounded"), ("ghost", lambda flat, low, places: 6.9, "rounded"),
])
def test_the_wrong_plate_and_rounding_are_told(editions, name, given, says):
    right = EXERCISES["PlateNumbers"].computed(EXERCISES["PlateNumbers"].solution, editions.own)
    number = given(*(lesson.input_of(one, editions.own) for one in ("flat_plate", "low_plate", "plate_places")))
    assert_told(editions, right, name, number, says)


def test_numbers_of_the_dirty_plate_are_told(editions):
    right = EXERCISES["PlateNumbers"].computed(EXERCISES["PlateNumbers"].solution, editions.own)
    dirty, places = lesson.input_of("artefact_plate", editions.own), lesson.input_of("plate_places", editions.own)
    middle = patch(dirty.pixel_array, places["middle"])
    assert_told(editions, right, "uniformity", evenness(dirty, places, own.FIVE), "artefact_plate")
    assert_told(editions, right, "snr", middle.mean() / middle.std(), "artefact_plate")
    assert_told(editions, right, "ghost", 100 + right["ghost"], "`- 1`")
    (one, two), (three, four) = (own._means(lesson.input_of(plate, editions.own), places, ("beside the hand", "hand"))
                                 for plate in ("low_plate", "artefact_plate"))
    assert_told(editions, right, "ghost", 100 * (one / three / (two / four) - 1), "artefact_plate")


def assert_told(editions, right, name, number, says):
    verdict = judged("PlateNumbers", editions, {**right, name: number})
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message and f"`{name}`" in verdict.message, verdict


def highest_over_lowest(dataset, places):
    means = [patch(dataset.pixel_array, places[name]).mean() for name in own.FIVE]
    return max(means) / min(means)


def evenness(dataset, places, names):
    means = [patch(dataset.pixel_array, places[name]).mean() for name in names]
    return 200 * (max(means) - min(means)) / (max(means) + min(means))


# --- deviation index

def by_table(scale, value, target):
    """By differences of logarithms, without a ratio."""
    tenth = {"EI": lambda one: 10 * np.log10(one), "S": lambda one: -10 * np.log10(one), "log": lambda one: one / 100}[scale]
    return tenth(value) - tenth(target)


@pytest.mark.parametrize("given", [by_table, lambda *case: round(by_table(*case), 1), lambda *case: f"{by_table(*case):+.2f}",
                                   lambda *case: np.float32(by_table(*case)), lambda *case: [by_table(*case)]])
def test_right_deviation_indices(editions, given):
    assert judged("DeviationIndex", editions, given).correct


@pytest.mark.parametrize("given", [
    lambda *case: round(by_table(*case)), lambda scale, value, target: (value - target) / target, lambda *case: abs(by_table(*case)),
    lambda scale, value, target: by_table("S" if scale == "log" else scale, value, target), lambda *case: by_table(*case) + 0.2,
    lambda scale, value, target: 0 if scale == "log" else by_table(scale, value, target),
])
def test_wrong_deviation_indices(editions, given):
    assert judged("DeviationIndex", editions, given).outcome is Outcome.NOT_YET


@pytest.mark.parametrize(("given", "label"), [
    (lambda *case: round(by_table(*case)), "whole_number"), (lambda *case: int(by_table(*case)), "cut_off"),
    (lambda *case: abs(by_table(*case)), "without_its_sign"),
    (lambda scale, value, target: value - target if scale == "log" else by_table(scale, value, target), "the_difference_itself"),
    (lambda *case: by_ratio(lambda value, target: 10 ** ((value - target) / 10))(*case), "the_difference_itself"),
    (lambda scale, value, target: by_ratio(lambda value, target: 10 ** (value / 1000) / target)(scale, value, target),
     "the_target_not_undone"),
])
def test_slips_with_the_deviation_index_have_a_message(editions, given, label):
    assert judged("DeviationIndex", editions, given).label == label


def by_ratio(of_the_log):
    return lambda scale, value, target: 10 * math.log10(
        {"EI": lambda: value / target, "S": lambda: target / value, "log": lambda: of_the_log(value, target)}[scale]())


@pytest.mark.parametrize(("of_the_log", "label"), [
    (lambda value, target: value - target, "difference_as_ratio"), (lambda value, target: (value - target) / 1000, "difference_as_ratio"),
    (lambda value, target: 10 ** (value - target), "the_power_without_a_thousand"),
])
def test_a_logarithm_that_does_not_exist_is_explained(editions, of_the_log, label):
    assert judged("DeviationIndex", editions, by_ratio(of_the_log)).label == label


# --- creep

def with_numpy(patients, phantom):
    def signal(values):
        values = np.array(values)
        base = values[:8]
        spread = 3 / 1.128 * np.abs(np.diff(base)).mean()
        side = np.sign(values - base.mean()) * (np.abs(values - base.mean()) > spread)
        runs = [week + 1 for week in range(8, len(values) - 1) if side[week] and side[week] == side[week + 1]]
        return runs[0] if runs else 0
    week = signal(patients)
    return {"week": week, "cause": ("equipment" if signal(phantom) else "technique") if week else "none"}


@pytest.mark.parametrize("given", [
    with_numpy, lambda *case: {**with_numpy(*case), "week": f"week {with_numpy(*case)['week']}"},
    lambda *case: tuple(with_numpy(*case).values()),
    lambda *case: {"Cause": with_numpy(*case)["cause"].upper(), "week": with_numpy(*case)["week"]},
    lambda *case: {"week": np.int64(with_numpy(*case)["week"]), "cause": with_numpy(*case)["cause"]},
])
def test_right_ways_to_the_creep(editions, given):
    assert judged("Creep", editions, given).correct


def by_loop(patients, phantom, last=1, sign=abs, give_up=False):
    """As a beginner writes it, with slips."""
    def signal(values):
        mean, spread = sum(values[:8]) / 8, 2.66 * sum(sign(b - a) for a, b in zip(values[:7], values[1:8])) / 7
        low, high = mean - spread, mean + spread
        for week in range(8, len(values) - last):
            if values[week] > high and values[week + 1] > high:
                return week + 1
            if values[week] < low and values[week + 1] < low:
                return week + 1
            if give_up:
                return 0
        return 0
    week, other = signal(patients), signal(phantom)
    return {"week": week, "cause": "none" if week == 0 else "equipment" if other else "technique"}


def test_the_loop_of_a_beginner_is_right_without_its_slips(editions):
    assert judged("Creep", editions, by_loop).correct


def limits_of(values):
    return own._limits_of(values[:8])


@pytest.mark.parametrize(("given", "label"), [
    (lambda *case: Creep._if(*case, lambda week, other: other == week), "in_the_same_week"),
    (lambda *case: Creep._if(*case, lambda week, other: 0 < other <= week), "not_after_the_patients"),
    (lambda *case: Creep._if(*case, lambda week, other: False), "always_the_technique"),
    (lambda *case: Creep._by(*case, running=3), "three_weeks_in_a_row"),
    (lambda *case: Creep._by(*case, first=0), "the_baseline_as_well"), (lambda *case: Creep._by(*case, first=7), "from_week_eight"),
    (lambda *case: Creep._by(*case, first=9), "from_week_ten"),
    (lambda *case: Creep._by(*case, lambda values: (np.mean(values[:8]) - 3 * np.std(values[:8]),
                                                    np.mean(values[:8]) + 3 * np.std(values[:8]))), "three_deviations_by_numpy"),
    (lambda *case: Creep._with_spread(*case, lambda base: 3 * statistics.stdev(base)), "three_standard_deviations"),
    (lambda *case: Creep._with_spread(*case, lambda base: 2 * statistics.stdev(base)), "two_standard_deviations"),
    (lambda *case: Creep._with_spread(*case, lambda base: 2 * np.std(base)), "two_deviations_by_numpy"),
    (lambda *case: Creep._by(*case, lambda values: own._limits_of(values[:9])), "nine_weeks_of_baseline"),
    (lambda patients, phantom: {**with_numpy(patients, phantom), "cause": "equipment" if own._first_signal(phantom, limits_of(phantom))
                                else with_numpy(patients, phantom)["cause"]}, "the_phantom_without_the_patients"),
    (lambda *case: Creep._by(*case, lambda values: own._limits_of(values[:4])), "four_weeks_of_baseline"),
    (lambda patients, phantom: with_numpy(phantom, patients), "the_lists_mixed_up"),
    (lambda *case: Creep._by(*case, lambda values: own._limits_of(values[:7])), "seven_weeks_of_baseline"),
    (lambda *case: by_loop(*case, last=0), "beyond_the_last_week"), (lambda *case: by_loop(*case, sign=lambda one: one), "signs_kept"),
    (lambda *case: by_loop(*case, sign=lambda one: -one), "signs_kept_from_the_next"),
    (lambda *case: by_loop(*case, give_up=True), "the_first_two_weeks_alone"),
    (Creep.around_the_mean_of_all, "around_the_mean_of_all"),
    (lambda patients, phantom: [one[9] - one[8] for one in (patients[:9], phantom)], "beyond_the_last_week"),
])
def test_wrong_ideas_of_the_rule_are_told_apart(editions, given, label):
    verdict = judged("Creep", editions, given)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict


def one_list(values, start=8, last=1, stop=None, factor=2.66, width=None, centre=None, twice=False):
    """The first signal of one list, with a slip."""
    base = values[:8]
    mean = centre(values) if centre else sum(base) / 8
    spread = width(base) if width else factor * sum(abs(b - a) for a, b in zip(base, base[1:])) / 7
    weeks = range(start, stop or len(values) - last)
    above = [week for week in weeks if min(values[week:week + 2]) > mean + spread]
    below = [week for week in weeks if max(values[week:week + 2]) < mean - spread]
    found = above[:1] or below[:1] if twice else sorted(above + below)[:1]
    return found[0] + 1 if found else 0


def by_lists(patients, phantom):
    """The answer by two functions, one for each list."""
    def given(*case):
        week, other = patients(case[0]), phantom(case[1])
        return {"week": week, "cause": "none" if week == 0 else "equipment" if other else "technique"}
    return given


SLIPS = [{"last": 2}, {"stop": 20}, {"start": 0}, {"start": 7}, {"start": 9}, {"start": 12}, {"factor": 2}, {"factor": 2.5},
         {"factor": 2.6}, {"factor": 2.75}, {"factor": 3}, {"factor": 5}, {"width": lambda base: 3 * statistics.stdev(base)},
         {"width": lambda base: 2 * statistics.pstdev(base)}, {"centre": lambda values: 0},
         {"centre": lambda values: sum(values) / len(values)}, {"centre": lambda values: statistics.median(values[:8])}]


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: "-".join(slip))
def test_a_slip_is_refused_in_either_list_alone(editions, slip):
    def slipped(values):
        return one_list(values, **slip)
    for given in (by_lists(slipped, one_list), by_lists(one_list, slipped), by_lists(slipped, slipped)):
        assert judged("Creep", editions, given).outcome is Outcome.NOT_YET


def test_two_loops_and_directions_that_must_agree_are_refused(editions):
    assert judged("Creep", editions, by_lists(one_list, one_list)).correct
    assert judged("Creep", editions, by_lists(lambda values: one_list(values, twice=True), one_list)).outcome is Outcome.NOT_YET

    def as_the_patients(patients, phantom):
        right = with_numpy(patients, phantom)
        week, other = one_list(patients), one_list(phantom)
        alike = other and (patients[week - 1] > patients[0]) == (phantom[other - 1] > phantom[0])
        return {**right, "cause": "technique"} if right["cause"] == "equipment" and not alike else right
    assert judged("Creep", editions, as_the_patients).outcome is Outcome.NOT_YET


@pytest.mark.parametrize(("given", "not_said"), [
    (by_lists(lambda values: one_list(values, factor=2), lambda values: one_list(values, factor=2)), "by 8"),
])
def test_other_limits_are_not_taken_for_a_known_slip(editions, given, not_said):
    verdict = judged("Creep", editions, given)
    assert verdict.label == "value" and not_said not in verdict.message


def test_an_unknown_mistake_in_the_creep_is_told_the_limits(editions):
    assert "limits are" in judged("Creep", editions, lambda *case: {"week": 0, "cause": "none"}).message


@pytest.mark.parametrize("given", [
    lambda patients, phantom: with_numpy(phantom, patients), lambda patients, phantom: {"week": 0, "cause": "none"},
    lambda patients, phantom: with_numpy(patients, phantom)["week"], lambda patients, phantom: {"week": 9, "cause": "technique"},
    lambda patients, phantom: {**with_numpy(patients, phantom), "cause": "patients"},
    lambda patients, phantom: with_numpy([round(one, 1) for one in patients], phantom),
    lambda patients, phantom: with_numpy(patients[1:], phantom[1:]), lambda patients, phantom: with_numpy(patients, patients),
])
def test_wrong_ways_to_the_creep(editions, given):
    assert judged("Creep", editions, given).outcome is Outcome.NOT_YET


def test_the_rule_finds_what_the_lesson_tells_of_the_two_units():
    week = lesson.input_of("weekly", hospital(0))

    def listed(unit, kind):
        return week[(week.unit == unit) & (week.kind == kind)].di.tolist()
    assert Creep.solution(listed("CR_ER1", "patient"), listed("CR_ER1", "phantom")) == {"week": 14, "cause": "technique"}
    assert Creep.solution(listed("DX_CH1", "patient"), listed("DX_CH1", "phantom")) == {"week": 0, "cause": "none"}


def test_all_outcomes_are_among_the_cases():
    for seed in range(5):
        said = [with_numpy(*case) for case in EXERCISES["Creep"].cases(random.Random(seed))]
        assert {one["cause"] for one in said} == {"none", "equipment", "technique"} and len({one["week"] for one in said}) > 3


@pytest.mark.parametrize("seed", range(3))
def test_the_creep_of_the_hospital(seed):
    """Patients' exposures at CR_ER1 creep, its phantom and the other unit do not; S numbers and exposure indices say the same."""
    h = hospital(seed, "tiny")
    week = lesson.input_of("weekly", h)
    assert week.week.max() == "2025-03-31"
    for (unit, kind), every in week.groupby(["unit", "kind"]):
        kept, rows = every[every.week < "2025-01-06"], every[every.week >= "2025-01-06"]
        assert len(kept) == 13 and kept.di.abs().max() < 0.35
        half = len(rows) // 2
        moved = np.average(rows.di[half:], weights=rows.n[half:]) - np.average(rows.di[:half], weights=rows.n[:half])
        assert moved > 0.8 if (unit, kind) == ("CR_ER1", "patient") else abs(moved) < 0.35, (unit, kind, moved)
    log = lesson.input_of("ei_log", h)
    assert log.groupby("unit").target.first().to_dict() == {"CR_ER1": 700, "DX_CH1": 250}      # 2.5 uGy in both: 200 / (2.5 / 8.75) = 700
    assert int(lesson.input_of("flat_plate", h).TargetExposureIndex) == 250
    assert set(log[log.unit == "CR_ER1"].scale) == {"S"} and set(log[log.unit == "DX_CH1"].scale) == {"EI"}
