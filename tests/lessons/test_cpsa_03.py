"""What learners give in lesson cpsa-03 beyond the solutions and wrong ways, and the data that they are asked about."""

import math
import random

import numpy as np
import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.lessons.cpsa_03_test_patterns import COEFFICIENTS, LIMITS, ContrastError, PatternFaults, contrast_error, lesson, patch
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
    (lambda cd: round(gsdf.index(cd)), "whole_number"), (lambda cd: print(gsdf.index(cd)), "unreadable"),
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


@pytest.mark.parametrize(("given", "label"), [
    (lambda readings, ambient: contrast_error(readings, ambient) / 100, "value"),
    (lambda readings, ambient: -contrast_error(readings, ambient), "value"),
    (lambda readings, ambient: contrast_error(readings[:-1], ambient), "error"),
    (lambda readings, ambient: contrast_error([one - ambient for one in readings], ambient), "without_ambient"),
    (lambda readings, ambient: contrast_error([one + ambient for one in readings], ambient), "value"),
    (lambda readings, ambient: contrast_error(readings, ambient) > 10, "unreadable"),
    (ContrastError.by_the_darker_one, "by_the_darker_one"),
])
def test_wrong_ways_to_the_contrast_error(editions, given, label):
    verdict = judged("ContrastError", editions, given)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict


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
])
def test_right_tables(editions, given):
    verdict = judged("Calibrate", editions, given)
    # Digits in quotes are no driving levels; everything else is.
    assert verdict.correct or type(given([0.5 + n for n in range(1024)], 0.1)[0]) is str, verdict


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
    (lambda native, ambient: native.clear(), "return"), (lambda native: [0] * 256, "argument"),
])
def test_wrong_tables_are_told_what_the_photometer_finds(editions, given, says):
    verdict = judged("Calibrate", editions, given)
    assert verdict.outcome is Outcome.NOT_YET
    assert says in verdict.message or verdict.label in {way.__name__ for way in EXERCISES["Calibrate"].wrong_ways}, verdict


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
    lambda *case: {name: name in faults_of(*case) for name in ("black", "white", "scaled", "banded")},
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


def test_an_error_does_not_print_a_picture(editions):
    verdict = judged("PatternFaults", editions, lambda picture, places: picture + places)
    assert verdict.label == "error" and len(verdict.message) < 300


def test_each_fault_and_a_sound_picture_are_among_the_captures():
    for seed in range(5):
        found = [tuple(sorted(faults_of(*case))) for case in EXERCISES["PatternFaults"].cases_on(hospital(seed, "tiny"))]
        assert {(), ("black",), ("white",), ("scaled",), ("banded",), ("black", "scaled")} <= set(found)


# --- plates

def test_plate_numbers_in_other_forms(editions):
    right = EXERCISES["PlateNumbers"].computed(EXERCISES["PlateNumbers"].solution, editions.own)
    assert judged("PlateNumbers", editions, {name.upper(): f"{value:.1f}" for name, value in right.items()}).correct
    assert judged("PlateNumbers", editions, {**right, "ghost": f"{right['ghost']:.2f} %"}).correct
    assert judged("PlateNumbers", editions, list(right.items())).correct
    assert judged("PlateNumbers", editions, {name: np.float64(value) for name, value in right.items()}).correct
    flat = lesson.input_of("flat_plate", editions.own)
    middle = patch(flat.pixel_array, lesson.input_of("plate_places", editions.own)["middle"]).astype(float)
    assert judged("PlateNumbers", editions, {**right, "snr": middle.mean() / middle.std(ddof=1)}).correct


@pytest.mark.parametrize(("name", "change"), [
    ("uniformity", lambda value: value / 100), ("uniformity", lambda value: 100 - value), ("snr", lambda value: 20 * math.log10(value)),
    ("ghost", lambda value: value / 100), ("ghost", lambda value: 100 + value), ("ghost", lambda value: value + 1),
    ("snr", lambda value: 1 / value),
])
def test_plate_numbers_that_are_wrong(editions, name, change):
    right = EXERCISES["PlateNumbers"].computed(EXERCISES["PlateNumbers"].solution, editions.own)
    verdict = judged("PlateNumbers", editions, {**right, name: change(right[name])})
    assert verdict.outcome is Outcome.NOT_YET and (f"`{name}`" in verdict.message or verdict.label.islower()), verdict


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


@pytest.mark.parametrize("given", [
    lambda patients, phantom: with_numpy(phantom, patients), lambda patients, phantom: {"week": 0, "cause": "none"},
    lambda patients, phantom: with_numpy(patients, phantom)["week"], lambda patients, phantom: {"week": 9, "cause": "technique"},
    lambda patients, phantom: {**with_numpy(patients, phantom), "cause": "patients"},
    lambda patients, phantom: with_numpy([round(one, 1) for one in patients], phantom),
    lambda patients, phantom: with_numpy(patients[1:], phantom[1:]), lambda patients, phantom: with_numpy(patients, patients),
])
def test_wrong_ways_to_the_creep(editions, given):
    assert judged("Creep", editions, given).outcome is Outcome.NOT_YET


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
    for (unit, kind), rows in week.groupby(["unit", "kind"]):
        half = len(rows) // 2
        moved = np.average(rows.di[half:], weights=rows.n[half:]) - np.average(rows.di[:half], weights=rows.n[:half])
        assert moved > 0.8 if (unit, kind) == ("CR_ER1", "patient") else abs(moved) < 0.35, (unit, kind, moved)
    log = lesson.input_of("ei_log", h)
    assert set(log[log.unit == "CR_ER1"].scale) == {"S"} and set(log[log.unit == "DX_CH1"].scale) == {"EI"}
