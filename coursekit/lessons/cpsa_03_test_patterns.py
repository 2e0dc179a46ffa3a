"""Test plates and workstation test patterns: the exercises of lesson cpsa-03."""

import datetime
import math

import numpy as np

from coursekit.checking import Fields, Function, Kind, Lesson, Number, Set, Text
from coursekit.checking.kinds.base import Difference
from coursekit.checking.reading import Unclear, Unreadable, describe, is_a, plain, short
from coursekit.hospital import clock, images
from coursekit.hospital.draws import Draws
from coursekit.standards.gsdf import COEFFICIENTS, between, index

lesson = Lesson(
    "cpsa-03",
    title="Test plates and workstation test patterns",
    version=1,
    minutes=150,
    objectives=[
        "judge a display by photometer readings: luminance, luminance ratio and contrast against the GSDF, with the room's light",
        "calibrate a panel, and find in a screen capture what a viewer does to a test pattern",
        "read exposure indices on three kinds of scale, date an exposure creep on a control chart, and tell from constancy exposures "
        "whether tube, plate and reader are as they were",
    ],
    covers=["run regular test plates on CR systems and test patterns at the workstations to monitor the image consistency and persistency"],
    needs=["cpas-01", "cpas-04"],
)

# HVGH's display policy. The contrast limits (10 % for diagnosis, 20 % for other uses) and the luminances 350 and 420 are those of the
# ACR-AAPM-SIIM technical standard for electronic practice, the ratios those of AAPM TG-18 for primary and secondary displays. The 200 is
# the hospital's own.
LIMITS = {
    "diagnostic": {"luminance": 350, "ratio": 250, "contrast": 10},
    "mammography": {"luminance": 420, "ratio": 250, "contrast": 10},
    "clinical": {"luminance": 200, "ratio": 100, "contrast": 20},
}
STEPS = 1024                                # driving levels of a panel with ten bits
CALIBRATED = {"contrast": 15, "ends": 2}    # percent: what the photometer allows a table; ten bits cost a right one up to 11
NEAR = 2                                    # driving levels: how far each entry may be from the one whose light comes nearest
MOVING_RANGE = 2.66                         # of a chart of single values, as in coursekit.figures.quality
S_OF_EI = 175_000                           # S is 200 / exposure in mR, 1 mR about 8.75 uGy, and EI 100 times the uGy: S = 175,000 / EI


def patch(picture, place):
    """The part of a picture at a place (first row, row after the last, first column, column after the last)."""
    top, bottom, left, right = place
    return picture[top:bottom, left:right]


# --- inputs

@lesson.input
def coefficients(hospital):
    """The factors of PS3.14 equation 7-2, of the powers 0 to 8: a list."""
    return list(COEFFICIENTS)


@lesson.input
def limits(hospital):
    """HVGH's display policy: {use: {limit: value}}."""
    return {use: dict(values) for use, values in LIMITS.items()}


@lesson.input
def readings(hospital):
    """Photometer readings of six displays in four sessions: a DataFrame with date, display, use, level, luminance and ambient (cd/m2)."""
    import pandas as pd
    found = pd.DataFrame(hospital.logs.readings)
    return found.astype({"luminance": float, "ambient": float})


@lesson.input
def panel(hospital):
    """A new panel for WS_ED1, not calibrated yet: {"native": luminances at the driving levels 0 to 1023, "ambient"}, cd/m2."""
    draws = Draws(hospital.seed, "cpsa-03 panel")
    native = _native(draws.one(20, 25) / 10, draws.one(0, 40) / 100, 0.5, float(draws.one(380, 460)))
    return {"native": native, "ambient": 0.6}


def _native(power, bend, lowest, highest):
    """Luminances of a panel in cd/m2, for each driving level: a power of the level, bent into an S by the share `bend`."""
    light = []
    for level in range(STEPS):
        x = level / (STEPS - 1)
        light.append(round(lowest + (highest - lowest) * ((1 - bend) * x**power + bend * x * x * (3 - 2 * x)), 4))
    return light


@lesson.input
def pattern(hospital):
    """The overview test pattern: a pydicom FileDataset."""
    return hospital.image("pattern_qc")


@lesson.input
def places(hospital):
    """Places of the overview pattern, each (first row, row after the last, first column, column after the last)."""
    named = images.regions("pattern_qc")
    top, bottom, left, right = named["line pairs middle"]
    middle = (left + right) // 2
    found = {name: named[name] for name in ("5 %", "95 %")}
    for name in ("black", "white"):                         # the strip above the smaller square
        top_, _, left_, right_ = named[name]
        found[name] = (top_, top_ + 24, left_, right_)
    found |= {"lines across": (top, bottom, left, middle), "lines upright": (top, bottom, middle, right)}
    return {**found, "ramp": (152, 216, 256, 768)}


@lesson.input
def flat_plate(hospital):
    """The flat field of CR_ER1's plate, 8 uGy, linear: a pydicom FileDataset."""
    return hospital.image("plate_uniform")


@lesson.input
def low_plate(hospital):
    """The reading of a plate with 1 uGy, right after an exposure of 40 uGy: a pydicom FileDataset."""
    return hospital.image("plate_ghost")


@lesson.input
def artefact_plate(hospital):
    """The reading of a plate that somebody marked as dirty: a pydicom FileDataset."""
    return hospital.image("plate_artefact")


@lesson.input
def plate_places(hospital):
    """Places of the plates: the five of the flat field, and "hand" and "beside the hand"."""
    return images.regions("plate_uniform") | images.regions("plate_ghost", hospital.seed)


@lesson.input
def ei_log(hospital):
    """Kept exposures and constancy exposures of DX_CH1 and CR_ER1 in 90 days: a DataFrame.

    utc, unit, kind ("patient" or "phantom"), scale ("EI" or "S"), value and target, as the unit writes them.
    """
    import pandas as pd
    rows = []
    for one in hospital.logs.exposures:
        if one.device != "MG1" and (one.kept or one.reason == "test"):
            scale, value, target = ("S", S_OF_EI // one.ei, S_OF_EI // one.ei_target) if one.device == "CR_ER1" else (
                "EI", one.ei, one.ei_target)
            rows.append((clock.text([one.utc])[0], one.device, "patient" if one.kept else "phantom", scale, value, target))
    return pd.DataFrame(rows, columns=["utc", "unit", "kind", "scale", "value", "target"])


@lesson.input
def weekly(hospital):
    """The mean deviation index (di) by unit, kind and week (its Monday) of n exposures: a DataFrame.

    The weeks of `ei_log` that are over, and before them 13 that the physicist has kept, in which nothing changed.
    """
    import pandas as pd
    log = lesson.input_of("ei_log", hospital)
    day = pd.to_datetime(log.utc).dt.normalize()
    monday = day - pd.to_timedelta(day.dt.day_of_week, unit="D")
    ratio = np.where(log.scale == "S", log.target / log.value, log.value / log.target)
    over = monday + pd.Timedelta(days=7) <= pd.Timestamp(clock.NOW_UTC, unit="s")
    found = log.assign(di=10 * np.log10(ratio), week=monday.dt.strftime("%Y-%m-%d"))[over]
    found = found.groupby(["unit", "kind", "week"]).di.agg(n="size", di="mean").reset_index()
    both = pd.concat([pd.DataFrame(_kept_by_the_physicist(hospital.seed)), found])
    return both.sort_values(["unit", "kind", "week"], ignore_index=True)


def _kept_by_the_physicist(seed):
    """Rows of `weekly` for the 13 weeks before the log, with the scatter that the exposures of the log have: a list of dicts."""
    draws, first, rows = Draws(seed, "cpsa-03 weekly9"), datetime.date(2024, 10, 7), []
    for unit, often in (("CR_ER1", 120), ("DX_CH1", 180)):
        for kind, n, low, high in (("patient", often, 78, 126), ("phantom", 7, 98, 103)):
            for week in range(13):
                count = n + draws.one(-n // 5, n // 5)
                count = count * 3 // 5 if week == 11 else count             # Christmas
                shown = 250 * draws.between(low, high, count) // 100
                ratio = S_OF_EI // 250 / (S_OF_EI // shown) if unit == "CR_ER1" else shown / 250
                monday = first + datetime.timedelta(days=7 * week)
                rows.append({"unit": unit, "kind": kind, "week": monday.isoformat(), "n": count,
                             "di": float(np.mean(10 * np.log10(ratio)))})
    return rows


def _sessions(readings):
    """(use, date, luminances of the 18 levels, ambient) of each display and session."""
    return [(use, date, rows.luminance.tolist(), float(rows.ambient.iloc[0]))
            for (date, _, use), rows in readings.groupby(["date", "display", "use"])]


# --- exercises

@lesson.exercise
class JndIndex:
    """Write `jnd_index(cd)`: the JND index j of a luminance in cd/m², by equation 7-2 of PS3.14:

    j = A + B·x + C·x² + ... + I·x⁸, where x is the **logarithm to base 10** of the luminance.

    `COEFFICIENTS` holds A to I, the factors of the powers 0 to 8: A is `COEFFICIENTS[0]`. Do not round to whole numbers. It will be
    tried on luminances from 0.05 to 4000 cd/m².
    """

    answer = Function("jnd_index", result=Number(tolerance=0.2))
    points = 2

    def solution(cd):
        x = math.log10(cd)
        total = 0
        for power, factor in enumerate(COEFFICIENTS):
            total = total + factor * x**power
        return total

    def natural_logarithm(cd):
        return sum(factor * math.log(cd) ** power for power, factor in enumerate(COEFFICIENTS))

    def of_the_luminance(cd):
        return sum(factor * cd**power for power, factor in enumerate(COEFFICIENTS))

    def backwards(cd):
        return sum(factor * math.log10(cd) ** power for power, factor in enumerate(reversed(COEFFICIENTS)))

    def from_power_one(cd):
        return sum(factor * math.log10(cd) ** power for power, factor in enumerate(COEFFICIENTS, 1))

    def the_first_left_out(cd):
        return JndIndex.solution(cd) - COEFFICIENTS[0]

    def the_last_left_out(cd):
        return sum(factor * math.log10(cd) ** power for power, factor in enumerate(COEFFICIENTS[:-1]))

    def the_last_alone(cd):
        return COEFFICIENTS[-1] * math.log10(cd) ** (len(COEFFICIENTS) - 1)

    def the_first_alone(cd):
        return COEFFICIENTS[0]

    def times_instead_of_power(cd):
        return sum(factor * math.log10(cd) * power for power, factor in enumerate(COEFFICIENTS))

    def a_caret_for_the_power(cd):
        return sum(factor * math.log10(cd) ^ power for power, factor in enumerate(COEFFICIENTS))

    def whole_number(cd):
        return round(JndIndex.solution(cd))

    def cut_off(cd):
        return int(JndIndex.solution(cd))

    def gamma(cd):
        return 1023 * (cd / 4000) ** (1 / 2.2)

    def straight(cd):
        return 1 + 1022 * (cd - 0.05) / (3993.4 - 0.05)

    wrong_ways = {
        natural_logarithm: "That is the natural logarithm: `math.log(cd)`. Equation 7-2 takes the logarithm to base 10 (equation 7-1, "
        "for the way back, takes the natural one: the two are easily mixed up).",
        of_the_luminance: "You put the luminance itself into the powers. x is its logarithm to base 10: the eye answers to ratios of "
        "light.",
        backwards: "The factors stand the other way round: the first, A, is that of power 0, and the last that of power 8.",
        from_power_one: "Your powers begin at 1. A stands alone, with x to the power of 0: `enumerate(COEFFICIENTS)` counts from 0.",
        the_first_left_out: "A is left out, the factor that stands alone. Begin at place 0 of the list: x to the power of 0 is 1.",
        the_last_left_out: "The last factor, that of the eighth power, is left out. It is small, but x⁸ is large where it is bright.",
        the_last_alone: "That is the last term alone. Each turn of the loop adds to what is there already: `total = total + ...`.",
        the_first_alone: "You return A, whatever the luminance: that is the total after the first turn. `return total` stands inside the "
        "loop; move it to the left, behind the loop, so that all nine terms are added first.",
        times_instead_of_power: "You multiply by the power. x to the power of 3 is `x ** 3` in Python; `x * 3` is three times x.",
        a_caret_for_the_power: "In a spreadsheet `^` is the power, in Python it is not: x to the power of 3 is `x ** 3`.",
        whole_number: "You round to whole numbers. The index is a place on a curve; half a step is much where contrast is compared.",
        cut_off: "You cut off the decimals. The index is a place on a curve, and steps between two of them will be compared.",
        gamma: "That is a power law, gamma 2.2, as office and home displays have it. The GSDF is another curve: it was made from what eyes "
        "tell apart, and gives far more of its steps to the dark.",
        straight: "That makes the index grow evenly with the luminance. One cd/m² more is a great deal in the dark, and nothing in the "
        "bright.",
    }
    hints = [
        "First x: `math.log10(cd)`. Then a sum of nine terms, which a loop can add up.",
        "`for power, factor in enumerate(COEFFICIENTS):` gives power 0 with A, power 1 with B, and so on.",
        "In the loop: `total = total + factor * x ** power`. Before it `total = 0`, behind it `return total`.",
    ]
    praise = "With this function a luminance meter tells what the eye will make of its readings."

    def cases(draw):
        return [(round(10 ** draw.uniform(-1.3, 3.6), 4),) for _ in range(24)] + [(0.05,), (1.0,), (0.4,), (350.0,), (3900.0,)]


def _contrasts(light):
    return [2 * (b - a) / (a + b) for a, b in zip(light, light[1:])]


def _deviations(readings, ambient, wanted=None):
    """The deviation of each step's contrast from that of the target, in percent."""
    light = [one + ambient for one in readings]
    wanted = wanted or between(light[0], light[-1], len(light))
    return [100 * (a / b - 1) for a, b in zip(_contrasts(light), _contrasts(wanted))]


def _first_step(readings, ambient):
    """Ends and first step of a display, in a sentence."""
    light = [one + ambient for one in readings]
    wanted = between(light[0], light[-1], len(light))
    return (f"With the room's light this display goes from {light[0]:.2f} to {light[-1]:.1f} cd/m²; the contrast of its first step is "
            f"{_contrasts(light)[0]:.3f}, and the GSDF wants {_contrasts(wanted)[0]:.3f} there. Do you get the same?")


def _below_zero(case, returned):
    """A sentence on a deviation with a sign, or None."""
    if max(returned) < 0:
        return "It is below zero. Asked is the size alone, whether the step is too faint or too strong: `abs(...)` of each deviation."
    return None


@lesson.exercise
class ContrastError:
    """Write `contrast_error(readings, ambient)`: by how many **percent** does the contrast of this display deviate from the GSDF, in the
    worst of its steps?

    `readings` are 18 luminances in cd/m² from black to white, measured with the lights off; `ambient` is the luminance of the room's light
    on this screen. The policy says:

    1. What the eye gets is each reading **plus the ambient luminance**.
    2. `between(lowest, highest, 18)` gives the 18 luminances that the GSDF wants between this display's own black and white (as the eye
       gets them).
    3. The contrast of a step from a to b is the difference divided by the mean, 2·(b − a) / (a + b).
    4. The deviation of a step is 100·(contrast / wanted contrast − 1). The answer is the **largest of the 17 deviations, without its
       sign**.
    """

    answer = Function("contrast_error", result=Number(unit="%", tolerance=0.3), about=_first_step, remark=_below_zero)
    points = 3

    def solution(readings, ambient):
        light = []
        for one in readings:
            light.append(one + ambient)
        wanted = between(light[0], light[-1], 18)
        worst = 0
        for step in range(17):
            measured = 2 * (light[step + 1] - light[step]) / (light[step] + light[step + 1])
            target = 2 * (wanted[step + 1] - wanted[step]) / (wanted[step] + wanted[step + 1])
            worst = max(worst, abs(100 * (measured / target - 1)))
        return worst

    def without_ambient(readings, ambient):
        return ContrastError.solution(readings, 0)

    def ambient_in_the_target_alone(readings, ambient):
        return max(map(abs, _deviations(readings, 0, between(readings[0] + ambient, readings[-1] + ambient, 18))))

    def target_without_ambient(readings, ambient):
        return max(map(abs, _deviations(readings, ambient, between(readings[0], readings[-1], 18))))

    def target_veiled_afterwards(readings, ambient):
        return max(map(abs, _deviations(readings, ambient, [one + ambient for one in between(readings[0], readings[-1], 18)])))

    def luminance_instead_of_contrast(readings, ambient):
        light = [one + ambient for one in readings]
        return max(abs(100 * (a / b - 1)) for a, b in zip(light, between(light[0], light[-1], 18)))

    def the_mean_of_all(readings, ambient):
        return sum(map(abs, _deviations(readings, ambient))) / 17

    def the_mean_with_signs(readings, ambient):
        return sum(_deviations(readings, ambient)) / 17

    def too_much_alone(readings, ambient):
        return max(_deviations(readings, ambient))

    def too_little_alone(readings, ambient):
        return abs(min(_deviations(readings, ambient)))

    def with_its_sign(readings, ambient):
        return max(_deviations(readings, ambient), key=abs)

    def the_last_step(readings, ambient):
        return abs(_deviations(readings, ambient)[-1])

    def the_first_step(readings, ambient):
        return abs(_deviations(readings, ambient)[0])

    def without_the_last_step(readings, ambient):
        return max(map(abs, _deviations(readings, ambient)[:-1]))

    def without_the_first_step(readings, ambient):
        return max(map(abs, _deviations(readings, ambient)[1:]))

    def whole_percent(readings, ambient):
        return round(ContrastError.solution(readings, ambient))

    def a_fraction(readings, ambient):
        return ContrastError.solution(readings, ambient) / 100

    def difference_of_the_contrasts(readings, ambient):
        light = [one + ambient for one in readings]
        wanted = between(light[0], light[-1], 18)
        return max(100 * abs(a - b) for a, b in zip(_contrasts(light), _contrasts(wanted)))

    def added_to_the_list(readings, ambient):
        return readings + ambient

    def beyond_the_last_level(readings, ambient):
        return readings[18]

    def brackets_forgotten(readings, ambient):
        light = [one + ambient for one in readings]
        wanted = between(light[0], light[-1], 18)
        return max(abs(100 * ((2 * (b - a) / a + b) / (2 * (d - c) / c + d) - 1))
                   for a, b, c, d in zip(light, light[1:], wanted, wanted[1:]))

    def against_gamma(readings, ambient):
        low, high = readings[0] + ambient, readings[-1] + ambient
        return max(map(abs, _deviations(readings, ambient, [low + (high - low) * (step / 17) ** 2.2 for step in range(18)])))

    def of_the_whole_function(readings, ambient):
        return max(map(abs, _deviations(readings, ambient, between(0.05, 3993.4, 18))))

    def one_target_for_all(readings, ambient):
        return max(map(abs, _deviations(readings, ambient, between(1.0, 350.0, 18))))

    def by_the_darker_one(readings, ambient):
        light = [one + ambient for one in readings]
        wanted = between(light[0], light[-1], 18)
        return max(abs(100 * (((b - a) / a) / ((d - c) / c) - 1)) for a, b, c, d in zip(light, light[1:], wanted, wanted[1:]))

    def in_steps_of_the_index(readings, ambient):
        light = [index(one + ambient) for one in readings]
        step = (light[-1] - light[0]) / 17
        return max(abs(100 * ((b - a) / step - 1)) for a, b in zip(light, light[1:]))

    def plain_differences(readings, ambient):
        light = [one + ambient for one in readings]
        wanted = between(light[0], light[-1], 18)
        return max(abs(100 * ((b - a) / (d - c) - 1)) for a, b, c, d in zip(light, light[1:], wanted, wanted[1:]))

    wrong_ways = {
        without_ambient: "You left out the room's light. It is added to every level, and what it takes away is contrast in the dark: by "
        "your number a display at a window is as good as one in the reading room.",
        ambient_in_the_target_alone: "You added the room's light to the ends of the target, but not to the readings. The eye gets both "
        "together: add it to each reading first, and go on with the sums alone.",
        target_without_ambient: "Your target lies between black and white as they were read with the lights off. The GSDF is asked for the "
        "light that the eye gets: take the target between the sums.",
        target_veiled_afterwards: "You took the target between black and white as they were read with the lights off, and added the room's "
        "light to it afterwards. So the veil is part of what you want, and no window is ever at fault: give `between` the sums.",
        luminance_instead_of_contrast: "You compared luminances. Two neighbouring levels may each be off by a few percent only, and the "
        "step between them, which is what the eye looks for, by far more: what is judged are the steps.",
        whole_percent: "You round to whole percent. At a limit of 10 % that lets a display pass with 10.4 %.",
        a_fraction: "You give a fraction, 0.05 where 5 % is meant. Asked are percent: 100·(contrast / wanted contrast − 1).",
        difference_of_the_contrasts: "You subtracted the wanted contrast. The deviation is **relative** to it: 100·(contrast / wanted "
        "contrast − 1). In the bright, where the contrasts are small, that makes a great difference.",
        added_to_the_list: "A list and a number cannot be added. Add `ambient` to the readings one by one, in a loop, and `append` each "
        "sum to a new list.",
        beyond_the_last_level: "A place was asked for that the list does not have: 18 levels have the places 0 to 17 (a list of your own "
        "has what you appended). Between them are 17 steps, `for step in range(17):`, and the last looks at the places 16 and 17.",
        the_mean_of_all: "That is the mean deviation. One step that is gone hides a pneumothorax, however good the other 16 are: the "
        "policy asks for the worst.",
        the_mean_with_signs: "You took the mean, with the signs: steps that are too faint and steps that are too strong cancel each "
        "other out. The policy asks for the worst step, whichever its sign.",
        too_much_alone: "You took the largest value with its sign, so that a step with too **little** contrast can never be the worst. "
        "Take `abs(...)` of each first.",
        too_little_alone: "You looked at steps with too little contrast alone. Too much is wrong as well: it is taken from other steps.",
        with_its_sign: "You found the worst step, and give it with its sign. Asked is the size alone, whether the step is too faint or too "
        "strong: `abs(...)` of it.",
        the_first_step: "That is the first step alone. `return worst` stands inside the loop, so that it ends at its first turn: move it "
        "to the left, behind the loop.",
        without_the_last_step: "You leave out the last step, the one up to white. 18 levels have 17 steps: `range(17)` counts from 0 to "
        "16.",
        without_the_first_step: "You leave out the first step, the one from black. 18 levels have 17 steps: `range(17)` counts from 0 to "
        "16.",
        brackets_forgotten: "Your contrast is 2·(b − a) / a + b. Python divides before it adds: put the sum into brackets, "
        "`2 * (b - a) / (a + b)`.",
        the_last_step: "That is the last step alone. Keep the largest so far: `worst = max(worst, ...)`, with `worst = 0` before the loop.",
        against_gamma: "You measured against gamma 2.2. PS3.14 asks for the GSDF; `between` has it.",
        of_the_whole_function: "Your target runs over the whole GSDF, from 0.05 to 4000 cd/m². No display does that: the target lies "
        "between this display's own black and white.",
        one_target_for_all: "You measured against a display from 1 to 350 cd/m². Each display has its own ends; the target lies between "
        "them.",
        by_the_darker_one: "You divided each difference by the darker of the two. That is a contrast too, and near the policy's where "
        "steps are small; with 18 levels they are large, and the result differs. The policy divides by the mean of the two.",
        in_steps_of_the_index: "You compared steps of the JND index. That comes close, and for a good display it is nearly the same; "
        "but the policy's limits are for the contrast, (b − a) divided by the mean, and in steps that are far off the two part.",
        plain_differences: "You compared differences in cd/m². Contrast is a difference **relative** to the light that is there: divide "
        "it by the mean of the two levels.",
    }
    hints = [
        "Make the list `light` first: each reading plus `ambient`. From then on the readings themselves are not needed.",
        "`wanted = between(light[0], light[-1], 18)`; `light[-1]` is the last, here the same as `light[17]`. Then a loop `for step in "
        "range(17):`, in which `light[step]` and `light[step + 1]` are the two ends of a step.",
        "In the loop work out two contrasts by the same formula, one with `light`, one with `wanted`, and from them the deviation.",
        "Keep the worst: `worst = max(worst, abs(...))`.",
    ]
    praise = "It is the number that acceptance reports of displays give as the maximum deviation of the contrast response."

    def cases(draw, readings):
        sessions = _sessions(readings)
        now = max(date for _, date, *_ in sessions)
        found = [(values, ambient) for _, date, values, ambient in sessions if date == now]
        # The same displays as they were, in rooms that are brighter, and older.
        found += [(values, draw.choice((0.15, 0.8, 1.5, 2.5))) for _, date, values, _ in sessions if date != now]
        for _, date, values, ambient in sessions:
            if date == now:
                share, more = draw.uniform(0.4, 0.9), draw.uniform(0.2, 1.0)
                found.append(([round(one * share, 3) for one in values], round(ambient + more, 2)))
        # Displays whose worst step is the first, or the last.
        for black, white in ((draw.uniform(0.1, 0.3), 1), (1, draw.uniform(0.3, 0.5))):
            light = between(1.2, draw.uniform(380, 460), 18)
            light[0] = light[1] - black * (light[1] - light[0])
            light[-1] = light[-2] + white * (light[-1] - light[-2])
            found.append(([round(one - 0.2, 3) for one in light], 0.2))
        return found


contrast_error = ContrastError.solution
NAMES = ("luminance", "ratio", "contrast")


def _figures_of(readings, ambient):
    """Luminance of white, ratio and contrast error, as the eye gets them."""
    highest, lowest = readings[-1] + ambient, readings[0] + ambient
    return {"luminance": highest, "ratio": highest / lowest, "contrast": contrast_error(readings, ambient)}


def _broken(figures, limits):
    return [name for name in NAMES if (figures[name] > limits[name] if name == "contrast" else figures[name] < limits[name])]


def _about_verdict(case, said):
    """What is wrong with a list of broken limits, with the numbers behind it, in a few sentences."""
    use, readings, ambient = case
    figures, limits = _figures_of(readings, ambient), LIMITS[use]
    right = _broken(figures, limits)
    strange = [given for name, given in said.items() if name not in NAMES]
    if strange:
        return f"Asked is a list of the names of the limits that are broken; {short(strange[0])} is none of the three."
    missing, extra = [name for name in right if name not in said], [name for name in said if name not in right]
    found = [f"`{name}` is missing." for name in missing] + [f"`{name}` does not belong there." for name in extra]
    found.append(f"With the room's light white is {figures['luminance']:.2f} and black {readings[0] + ambient:.2f} cd/m², which makes a "
                 f"ratio of {figures['ratio']:.2f}; the contrast is off by {figures['contrast']:.2f} %. Do you get the same?")
    if any(_broken({**figures, name: round(figures[name], digits)}, limits) != right for name in missing for digits in (0, 1)):
        found.append("(Do you round before you judge? At least 350 is not kept by 349.9.)")
    if extra and not missing and all(_far(figures[name], limits[name]) for name in extra):
        found.append("(If your list holds what belongs to an earlier display: it has to begin empty inside the function.)")
    return " ".join(found)


def _far(figure, limit):
    """Whether a figure is so far from its limit that a slightly wrong limit doesn't explain a wrong verdict."""
    return not 0.8 < figure / limit < 1.25


@lesson.exercise
class BrokenLimits:
    """Write `broken_limits(use, readings, ambient)`: which limits of the policy does this display break? Return a list with any of the
    names `"luminance"`, `"ratio"`, `"contrast"`, in any order; an empty list `[]` when it may stay in use.

    `use` is `"diagnostic"`, `"mammography"` or `"clinical"`, and `LIMITS[use]` has the three limits for it:

    - `luminance`: the luminance of **white** must be at least this (cd/m²);
    - `ratio`: white divided by **black** must be at least this;
    - `contrast`: your `contrast_error` of exercise 2 must be at most this (%).

    Black and white are the first and the last reading **as the eye gets them**, with the room's light. Each limit is a knock-out of its
    own: no strength makes up for it. Nothing is rounded. It will be tried on displays that you have not seen.
    """

    answer = Function("broken_limits", result=Set(""), remark=_about_verdict)
    points = 2

    def solution(use, readings, ambient):
        white = readings[-1] + ambient
        black = readings[0] + ambient
        broken = []
        if white < LIMITS[use]["luminance"]:
            broken.append("luminance")
        if white / black < LIMITS[use]["ratio"]:
            broken.append("ratio")
        if contrast_error(readings, ambient) > LIMITS[use]["contrast"]:
            broken.append("contrast")
        return broken

    def without_ambient(use, readings, ambient):
        return _broken({**_figures_of(readings, 0), "contrast": contrast_error(readings, ambient)}, LIMITS[use])

    def ambient_nowhere(use, readings, ambient):
        return _broken(_figures_of(readings, 0), LIMITS[use])

    def ambient_in_white_alone(use, readings, ambient):
        white = readings[-1] + ambient
        return _broken({**_figures_of(readings, ambient), "ratio": white / readings[0]}, LIMITS[use])

    def ratio_of_the_panel(use, readings, ambient):
        return _broken({**_figures_of(readings, ambient), "ratio": readings[-1] / readings[0]}, LIMITS[use])

    def ratio_without_any_brackets(use, readings, ambient):
        return _broken({**_figures_of(readings, ambient), "ratio": readings[-1] + ambient / readings[0] + ambient}, LIMITS[use])

    def ratio_without_brackets_below(use, readings, ambient):
        white = readings[-1] + ambient
        return _broken({**_figures_of(readings, ambient), "ratio": white / readings[0] + ambient}, LIMITS[use])

    def light_twice(use, readings, ambient):
        twice = contrast_error([one + ambient for one in readings], ambient)
        return _broken({**_figures_of(readings, ambient), "contrast": twice}, LIMITS[use])

    def rounded(use, readings, ambient):
        return _broken({name: round(value) for name, value in _figures_of(readings, ambient).items()}, LIMITS[use])

    def turned_round(use, readings, ambient):
        figures, limits = _figures_of(readings, ambient), LIMITS[use]
        return [name for name in NAMES if (figures[name] < limits[name] if name == "contrast" else figures[name] > limits[name])]

    def diagnostic_for_all(use, readings, ambient):
        return _broken(_figures_of(readings, ambient), LIMITS["diagnostic"])

    def as_any_reading_station(use, readings, ambient):
        return _broken(_figures_of(readings, ambient), LIMITS["clinical" if use == "clinical" else "diagnostic"])

    def the_first_alone(use, readings, ambient):
        return BrokenLimits.solution(use, readings, ambient)[:1]

    def averaged(use, readings, ambient):
        figures, limits = _figures_of(readings, ambient), LIMITS[use]
        shares = [figures["luminance"] / limits["luminance"], figures["ratio"] / limits["ratio"], limits["contrast"] / figures["contrast"]]
        return [] if sum(shares) / 3 >= 1 else _broken(figures, limits)

    def bright_is_good(use, readings, ambient):
        return [name for name in BrokenLimits.solution(use, readings, ambient) if name == "luminance"]

    def contrast_alone(use, readings, ambient):
        return [name for name in BrokenLimits.solution(use, readings, ambient) if name == "contrast"]

    def brightness_and_ratio(use, readings, ambient):
        return [name for name in BrokenLimits.solution(use, readings, ambient) if name != "contrast"]

    def black_over_white(use, readings, ambient):
        figures = _figures_of(readings, ambient)
        return _broken({**figures, "ratio": 1 / figures["ratio"]}, LIMITS[use])

    def what_is_kept(use, readings, ambient):
        broken = BrokenLimits.solution(use, readings, ambient)
        return [name for name in NAMES if name not in broken]

    def clinical_for_all(use, readings, ambient):
        return _broken(_figures_of(readings, ambient), LIMITS["clinical"])

    def contrast_in_the_dark(use, readings, ambient):
        return _broken({**_figures_of(readings, ambient), "contrast": contrast_error(readings, 0)}, LIMITS[use])

    def white_in_the_dark(use, readings, ambient):
        return _broken({**_figures_of(readings, ambient), "luminance": readings[-1]}, LIMITS[use])

    def ratio_of_the_report(use, readings, ambient):
        return _broken(_figures_of(readings, ambient), {**LIMITS[use], "ratio": 350})

    def broken_at_the_limit(use, readings, ambient):
        figures, limits = _figures_of(readings, ambient), LIMITS[use]
        return [name for name in NAMES if (figures[name] >= limits[name] if name == "contrast" else figures[name] <= limits[name])]

    def contrast_at_least(use, readings, ambient):
        figures, limits = _figures_of(readings, ambient), LIMITS[use]
        kept = [name for name in _broken(figures, limits) if name != "contrast"]
        return kept + (["contrast"] if figures["contrast"] < limits["contrast"] else [])

    wrong_ways = {
        without_ambient: "You took white and black as they were read with the lights off. In a bright room it is the **black** that "
        "suffers: a few cd/m² more, and the ratio falls to a fraction. Add `ambient` to both.",
        ambient_nowhere: "The room's light is nowhere in it. So a display that has got a window beside it since the last session passes.",
        ambient_in_white_alone: "Your white has the room's light, your black has not. It lies on both; and black is where it matters.",
        ratio_of_the_panel: "Your ratio is that of the panel alone, with the lights off: the room's light lies on neither of the two. Add "
        "`ambient` to white and to black, then divide.",
        ratio_without_any_brackets: "Python divides before it adds: `a + c / b + c` is a + (c / b) + c. Add first: work out `white` and "
        "`black` on a line each, or use brackets, `(a + c) / (b + c)`.",
        ratio_without_brackets_below: "Python divides before it adds: `white / b + c` is (white / b) + c. Work out `black`, with the "
        "room's light, on a line of its own, or use brackets, `white / (b + c)`.",
        light_twice: "The contrast has the room's light twice in your function: `contrast_error` adds `ambient` to the readings itself. "
        "Give it the readings as they are.",
        rounded: "You round before you judge. At least 350 is not kept by 349.9, nor at most 10 % by 10.4 %.",
        turned_round: "Your comparisons stand the other way round: you list a limit where it is kept. White and ratio are broken **below** "
        "the limit, the contrast **above** it.",
        diagnostic_for_all: "You judge all displays by the limits of the diagnostic ones. A ward viewer need not do what a reading "
        "station must, and mammography needs more: look up `LIMITS[use]`.",
        clinical_for_all: "You judge all displays by the limits of the clinical ones, the weakest of the three. A reading station must do "
        "more: look up `LIMITS[use]`.",
        contrast_in_the_dark: "White and black have the room's light in your function, the contrast has not: give `ambient` to "
        "`contrast_error` as well. The steps in the dark are what the room's light takes away.",
        white_in_the_dark: "Your `luminance` is white with the lights off. The eye gets it with the room's light: add `ambient` there too.",
        ratio_of_the_report: "You ask a ratio of 350. For that displays should be **calibrated**; the least that HVGH's policy takes is "
        "another number, and not the same for all uses: `LIMITS[use][\"ratio\"]`.",
        broken_at_the_limit: "You count a display as broken that is exactly at a limit. At least 350 is kept by 350 itself: `<` for "
        "luminance and ratio, `>` for the contrast.",
        as_any_reading_station: "You judge mammography as any reading station. It has a limit of its own for the luminance.",
        the_first_alone: "You stop at the first limit that is broken (a `return`, or an `elif`). Whoever repairs the display wants to know "
        "them all: a new backlight will not mend the calibration. Collect them in a list.",
        averaged: "You let strengths make up for weaknesses. A bright display whose dark steps are gone has a good average, and hides the "
        "pneumothorax. Each limit is a knock-out of its own.",
        bright_is_good: "You look at the luminance alone. That is what a user notices; of six faulty displays most are bright enough.",
        contrast_alone: "You look at the contrast alone. A display can lose half its light and keep the shape of its curve: the eye "
        "then tells fewer steps apart all the same.",
        brightness_and_ratio: "You leave out the contrast. A display that was never calibrated has the right black and the right white, "
        "and the wrong steps between them.",
        black_over_white: "You divided black by white. The ratio is white divided by black, some hundreds.",
        what_is_kept: "You list the limits that are kept. Asked are those that are broken; a display without a fault gives an empty list.",
        contrast_at_least: "Your sign is the wrong way round for the contrast: it is an error, so it must be **at most** the limit.",
    }
    hints = [
        "Three questions, one after the other, each with an `if` of its own; begin with `broken = []`.",
        "`white = readings[-1] + ambient`, `black = readings[0] + ambient`.",
        "`if white < LIMITS[use][\"luminance\"]:` and then `broken.append(\"luminance\")`. The other two likewise; mind the direction.",
    ]
    praise = "That is an acceptance test that gives every display of the house the same answer, whoever does it."

    def cases(draw, readings):
        found, wanted = [], set()
        for use, date, values, ambient in _sessions(readings):
            for other in LIMITS:
                for share in (1, draw.uniform(0.75, 0.97), draw.uniform(0.35, 0.6)):
                    for more in (0, draw.uniform(0.3, 1.2), draw.uniform(4, 9)):
                        case = (other, [round(one * share, 3) for one in values], round(ambient + more, 2))
                        kind = (other, tuple(BrokenLimits.solution(*case)), share == 1, more > 2)
                        if kind not in wanted and _clear(case):
                            wanted.add(kind)
                            found.append(case)
        # White comes over the limit by the room's light; displays that are perfect, but for one limit.
        for use, lowest, highest, ambient in (
                ("diagnostic", 1.2, 347.0, 6.0), ("clinical", 1.5, 197.0, 7.0), ("diagnostic", 1.1, draw.uniform(300, 335), 0.2),
                ("mammography", 1.3, draw.uniform(370, 405), 0.2), ("diagnostic", 0.5, draw.uniform(380, 480), 0.2),
                ("mammography", 2.6, draw.uniform(450, 520), 0.6), ("clinical", 2.25, 197.0, 7.0), ("clinical", 2.35, 197.0, 7.0)):
            own = 0.25 if ambient > 1 else ambient                  # the room's light for which it was calibrated
            found.append((use, [one - own for one in between(lowest, highest, 18)], ambient))
        # For each use, white and ratio: each exactly at its limit, and each a hair below it. Then the contrast, close on both sides.
        for use, limits in LIMITS.items():
            most, least = limits["contrast"], limits["luminance"]
            dark = 2.5 if use == "clinical" else 2.0
            bright = dark * limits["ratio"]
            for black, white in ((0.75 * least / limits["ratio"], least), (0.75 * least / limits["ratio"], least - 0.04), (dark, bright),
                                 (dark, bright - 0.05)):
                light = between(black, white, 18)
                found.append((use, [one - 0.25 for one in (black, *light[1:-1], white)], 0.25))
            found += [(use, _off_by(most + more, 1.1 * least, place), 0.25)
                      for more, place in ((-0.1, 9), (0.04, 9), (0.05, 16), (0.4, 9))]
        return found


def _off_by(percent, white, place):
    """Readings of a display in a room of 0.25 cd/m2 whose step from `place` is the worst, and off by so many percent."""
    light = between(1.25, white, 18)
    low, high = light[place - 1], light[place]              # the darker this level, the stronger the step from it
    while high - low > 1e-9:
        light[place] = (low + high) / 2
        low, high = (light[place], high) if max(map(abs, _deviations(light, 0))) > percent else (low, light[place])
    return [one - 0.25 for one in light]


def _clear(case):
    """Whether a display is clearly on one side of each limit, so that rounding decides nothing."""
    use, readings, ambient = case
    figures = _figures_of(readings, ambient)
    return all(abs(figures[name] / LIMITS[use][name] - 1) > (0.08 if name == "contrast" else 0.01) for name in NAMES)


class Tested:
    """What a learner's function returned, and the panel on which it is to be measured."""

    def __init__(self, returned, native, ambient):
        self.returned, self.native, self.ambient = returned, native, ambient

    def __repr__(self):
        return repr(self.returned) if type(self.returned) in (list, tuple) else describe(self.returned)


class PhotometerTest(Kind):
    """A calibration table, judged by what a photometer reads when the panel is driven by it.

    Read, it is a dict: `contrast`, the largest deviation from the GSDF in percent over steps of five levels, with its first level `at`;
    `white` and `black`, the ends as shares of the panel's own; `away`, the first entry that is too far from the driving level whose light
    comes nearest to what is wanted, and by how many levels, or None; and the `levels` themselves.
    """

    takes = f"a list of 256 driving levels, whole numbers from 0 to {STEPS - 1}"

    def read(self, given):
        if type(given) is not Tested:
            raise Unclear(describe(given))
        value = plain(given.returned)
        if type(value) is dict and list(value) == list(range(256)):
            value = list(value.values())
        if type(value) is str and "," in value:
            value = value.strip("[]() ").split(",")
        if type(value) is not list:
            raise Unclear(describe(given.returned))
        value = [int(one) if type(one) is str and one.strip().isdecimal() else one for one in value]
        if len(value) != 256:
            raise Unreadable(f"Your table has {len(value)} entries; the display needs one for each of the P-values 0 to 255.")
        wrong = next((place for place, one in enumerate(value) if type(one) not in (int, float)), None)
        if wrong is not None:
            raise Unreadable(f"Entry {wrong} of your table is {describe(value[wrong])}; each entry is a driving level, a whole number.")
        odd = [place for place, one in enumerate(value) if not math.isfinite(one) or one != one // 1]
        if odd:
            wrong = next((one for one in odd if not math.isfinite(value[one]) or abs(value[one] - round(value[one])) > 0.01), odd[0])
            raise Unreadable(f"Entry {wrong} of your table is {value[wrong]:.8g}, no whole number. A driving level is a **place** in "
                             "`native`: not the luminance there, and nothing between two places (round it, if that is what you have).")
        wrong = next((place for place, one in enumerate(value) if not 0 <= one < STEPS), None)
        if wrong is not None:
            raise Unreadable(f"Entry {wrong} of your table is {value[wrong]:g}; driving levels go from 0 to {STEPS - 1}.")
        light = [given.native[int(one)] + given.ambient for one in value]
        ends = [given.native[0] + given.ambient, given.native[-1] + given.ambient]
        wanted = between(*ends, 256)
        off = [100 * (a / b - 1) for a, b in zip(_contrasts(light[::5]), _contrasts(wanted[::5]))]
        at = max(range(len(off)), key=lambda step: abs(off[step]))
        levels = [int(one) for one in value]
        return {"contrast": off[at], "at": 5 * at, "black": light[0] / ends[0], "white": light[-1] / ends[1],
                "away": self._away(levels, given, wanted), "levels": levels}

    @staticmethod
    def _away(levels, given, wanted):
        """(P-value, driving levels) of the first entry that is too far away, or None; by light, as several levels may give the same."""
        nearest = _nearest(given.native, given.ambient, wanted)
        for place, (level, near) in enumerate(zip(levels, nearest)):
            low, high = given.native[max(0, near - NEAR)], given.native[min(STEPS - 1, near + NEAR)]
            if not low <= given.native[level] <= high:
                return place, level - near
        return None

    def difference(self, answer, other):
        """None when both are good, or both are off and it is the same table but for rounding."""
        said, fine = self._faults(answer), not self._faults(other)
        if not said and fine:
            return None
        if said and not fine and all(abs(a - b) <= 2 for a, b in zip(answer["levels"], other["levels"])):
            return None
        return Difference(said[0] if said else "This table would do.", "value")

    @staticmethod
    def _faults(read):
        found = []
        if read["white"] < 1 - CALIBRATED["ends"] / 100:
            found.append(f"The photometer finds white at {100 * read['white']:.0f} % of what this panel can do: the last entry of "
                         "the table does not lead to its highest driving level.")
        if read["black"] > 1 + CALIBRATED["ends"] / 100:
            found.append(f"The photometer finds black {read['black']:.2f} times as bright as this panel's own, room light included: "
                         "look at the first entries of the table.")
        if abs(read["contrast"]) > CALIBRATED["contrast"]:
            found.append(f"The photometer finds a contrast that is off by {read['contrast']:+.0f} % between the P-values {read['at']} and "
                         f"{read['at'] + 5}; {CALIBRATED['contrast']} % are allowed.")
        if read["away"]:
            place, levels = read["away"]
            found.append(f"Entry {place} of the table is {abs(levels)} driving levels {'above' if levels > 0 else 'below'} the one whose "
                         f"light comes nearest to what the GSDF wants there; {NEAR} are allowed. Is each P-value's own level looked for?")
        return found


class OnPanels(Function):
    """A function that makes calibration tables, each of which is tried on the panel for which it was made."""

    def __init__(self, variables, result):
        super().__init__(variables, result)
        self._own = {}                                      # solution and wrong ways, so that their results are remembered

    def judge(self, exercise, given, editions):
        """As for every function, on what the photometer finds."""
        (function,) = given
        return super().judge(exercise, (_tested(function),) if callable(function) and not is_a(function, str) else given, editions)

    def _results(self, exercise, function, cases, hospital):
        return super()._results(exercise, self._own.setdefault(function, _tested(function)), cases, hospital)


def _tested(function):
    def run(native, ambient):
        returned = function(list(native), ambient)
        return None if returned is None else Tested(returned, native, ambient)
    return run


def _nearest(native, ambient, wanted):
    """For each luminance wanted, the driving level whose light comes nearest: a list."""
    light = np.array(native) + ambient
    return np.abs(light[None, :] - np.array(wanted)[:, None]).argmin(axis=1).tolist()


@lesson.exercise
class Calibrate:
    """Write `calibrate(native, ambient)`: the calibration table of a panel.

    `native` is a list with the 1024 luminances of the panel at its driving levels 0 to 1023 (cd/m², lights off); `ambient` is the room's
    light on it. Return a list of 256 whole numbers: for each P-value from 0 to 255 the **driving level** that the panel is to get, so that
    the light that reaches the eye follows the GSDF from the panel's own black to its own white.

    A photometer then measures panels that you have not seen, with your tables in them: black and white within 2 % of the panel's own, the
    contrast within 15 % of the GSDF over every five P-values, and each of the 256 entries no more than two driving levels from the one
    whose light comes nearest to what is wanted. (Over every fifteen, as in the sessions, such a table is far better than the policy's
    10 %.)
    """

    answer = OnPanels("calibrate", result=PhotometerTest(""))
    points = 4

    def solution(native, ambient):
        wanted = between(native[0] + ambient, native[-1] + ambient, 256)
        table = []
        level = 0
        for cd in wanted:
            while level < 1023 and native[level] + ambient < cd:
                level = level + 1
            table.append(level)
        return table

    def straight_through(native, ambient):
        return [round(1023 * p / 255) for p in range(256)]

    def as_if_gamma(native, ambient):
        wanted = between(native[0] + ambient, native[-1] + ambient, 256)
        low, high = wanted[0], wanted[-1]
        return [min(1023, round(1023 * (max(0, cd - low) / (high - low)) ** (1 / 2.2))) for cd in wanted]

    def to_gamma(native, ambient):
        low, high = native[0] + ambient, native[-1] + ambient
        return _nearest(native, ambient, [low + (high - low) * (p / 255) ** 2.2 for p in range(256)])

    def even_luminance(native, ambient):
        low, high = native[0] + ambient, native[-1] + ambient
        return _nearest(native, ambient, [low + (high - low) * p / 255 for p in range(256)])

    def even_ratios(native, ambient):
        low, high = native[0] + ambient, native[-1] + ambient
        return _nearest(native, ambient, [low * (high / low) ** (p / 255) for p in range(256)])

    def without_ambient(native, ambient):
        return _nearest(native, 0, between(native[0], native[-1], 256))

    def ambient_in_the_target_alone(native, ambient):
        return _nearest(native, 0, between(native[0] + ambient, native[-1] + ambient, 256))

    def without_an_end(native, ambient):
        table, level = [], 0
        for cd in between(native[0] + ambient, native[-1] + ambient, 256):
            while native[level] + ambient < cd:
                level += 1
            table.append(level)
        return table

    def eight_bits(native, ambient):
        return [level // 4 for level in Calibrate.solution(native, ambient)]

    def one_for_all(native, ambient):
        return _nearest(native, ambient, between(1.0, 350.0, 256))

    def upside_down(native, ambient):
        return Calibrate.solution(native, ambient)[::-1]

    def stairs(native, ambient):
        table = Calibrate.solution(native, ambient)
        return [table[p // 15 * 15] for p in range(256)]

    def straight_between_eighteen(native, ambient):
        light = [native[round(1023 * step / 17)] + ambient for step in range(18)]
        return [round(float(np.interp(cd, light, [round(1023 * step / 17) for step in range(18)])))
                for cd in between(light[0], light[-1], 256)]

    wrong_ways = {
        straight_through: "Your table passes every P-value straight on to the panel. Then the panel's native curve is what the eye "
        "gets, as if it had never been calibrated.",
        as_if_gamma: "You assumed that the panel follows gamma 2.2, and did not look at its readings. Panels differ; that is why each is "
        "measured with a photometer. Look for the wanted light in `native`.",
        to_gamma: "Your table gives the panel a gamma of 2.2. That is the curve of office displays; PS3.14 wants the GSDF, `between(...)`.",
        even_luminance: "You made even steps of luminance. In the dark each is then many just noticeable differences, in the bright a "
        "fraction of one: the bright half of the greys looks all the same.",
        even_ratios: "You made even ratios of luminance, a logarithmic curve. The eye needs larger ratios in the dark than that: the GSDF "
        "has them.",
        without_ambient: "You calibrated for a dark room. The room's light adds to black, and the dark steps that you made so carefully "
        "drown in it: the eye gets `native[level] + ambient`.",
        ambient_in_the_target_alone: "Your target has the room's light in it, but you look for it among the panel's own readings. Add "
        "`ambient` to `native[level]` as well when you compare.",
        without_an_end: "A place beyond the end of a list was asked for. When you search upwards through `native`, the search has to end: "
        "the last wanted luminance may be a hair above the panel's white, since equations 7-1 and 7-2 undo each other only nearly, and "
        "then no level reaches it. Go on only `while level < 1023 and ...`, and the highest level is taken.",
        eight_bits: "Your driving levels go up to 255. This panel has ten bits, 0 to 1023: it would never get brighter than a quarter "
        "of its range. That is the commonest slip with calibration tables, the wrong bit depth.",
        one_for_all: "You calibrated for 1 to 350 cd/m². A panel has its own black and white: some entries cannot be reached, and the "
        "light that is there beyond is given away.",
        upside_down: "Your table begins with white. P-value 0 is black.",
        stairs: "Your table has 18 steps: all P-values between two measured levels get the same driving level, and 256 greys become 18. It "
        "passes a meter that measures those 18 levels alone, and no eye: each P-value needs an entry of its own.",
        straight_between_eighteen: "You went straight between 18 of the readings. In the dark, where the native curve bends most, that "
        "misses it; all 1024 readings are there.",
    }
    hints = [
        "`wanted = between(native[0] + ambient, native[-1] + ambient, 256)` is the light that each of the 256 P-values should give.",
        "For each `cd` in `wanted` look for the driving level whose light, `native[level] + ambient`, comes nearest, or the first that "
        "reaches it.",
        "`native` only grows, and so does `wanted`: the search can go on where the last one stopped. Begin with `level = 0` before the "
        "loop.",
        "In the loop: `while level < 1023 and native[level] + ambient < cd:` `level = level + 1`; then `table.append(level)`.",
    ]
    praise = "That is what calibration software does, in ten lines. Keep the table with its date and ambient light: it holds for this room."

    def cases(draw):
        found = []
        for power, bend, ambient in ((draw.uniform(2.1, 2.6), 0.0, 0.4), (draw.uniform(1.7, 1.9), draw.uniform(0.2, 0.5), 1.5),
                                     (draw.uniform(2.5, 2.8), 0.1, 0.8)):
            native = _native(power, bend, round(draw.uniform(0.3, 0.5), 2), round(draw.uniform(390, 500)))
            found.append((native, round(ambient + draw.uniform(0, 0.2), 2)))
        return found


# What can happen to a picture on its way to the screen, each a function of the pixels.

def _scaled(picture, rows=None, columns=None):
    """Scaled without smoothing: every so many rows or columns one is lost, and its place taken by the one before."""
    scaled = picture.copy()
    if rows:
        scaled[rows - 1::rows] = scaled[rows - 2:-1:rows]
    if columns:
        scaled[:, columns - 1::columns] = scaled[:, columns - 2:-1:columns]
    return scaled


def _smeared(picture, place):
    """One block of the picture compressed so far that its mean is all that is left, as a remote desktop may do it."""
    smeared = picture.copy()
    patch(smeared, place)[:] = round(float(patch(picture, place).mean()))
    return smeared


def _ramp_in_steps(picture, place):
    """The ramp with a quarter of its levels, all else as it was."""
    stepped = picture.copy()
    patch(stepped, place)[:] = patch(picture, place) // 4 * 4
    return stepped


def _toned(picture, places, above_black, below_white):
    """Bent at the ends, so that the 5 % and the 95 % are so far from black and white; part of a grey is made of two, column by column."""
    curve = np.interp(np.arange(256), (0, 13, 242, 255), (0, above_black, 255 - below_white, 255))
    toned = np.round(curve).astype(np.uint8)[picture]
    black, white = patch(toned, places["5 %"]), patch(toned, places["95 %"])
    black[:], white[:] = math.ceil(above_black), 255 - math.ceil(below_white)
    # Every fourth column makes the mean: 4 and 3 for 3.75, 4 and 1 for 3.25, where the median is 4 and the rounded mean 3.
    black[:, ::4] = round(4 * above_black - 3 * math.ceil(above_black))
    white[:, ::4] = 255 - round(4 * below_white - 3 * math.ceil(below_white))
    return toned


def _faint_lines(picture, places, names, difference):
    """With lines at the named places that differ by so much."""
    faint = picture.copy()
    for name in names:
        patch(faint, places[name])[:] = np.where(patch(picture, places[name]) > 127, 28 + difference, 28)
    return faint


def _dithered_ramp(picture, place):
    """The ramp with all its levels, but half of them in the even rows and half in the odd ones."""
    dithered = picture.copy()
    ramp = patch(dithered, place)
    ramp[:] = ramp // 2 * 2
    ramp[1::2] += 1
    return dithered


def _ramp_of(picture, place, count):
    """The ramp with so many levels, from black to white."""
    levels = np.round(np.arange(count) * 255 / (count - 1)).astype(np.uint8)
    stepped = picture.copy()
    patch(stepped, place)[:] = levels[patch(picture, place).astype(int) * count // 256]
    return stepped


def _averaged(picture):
    """Two by two pixels made one, and drawn as two by two."""
    small = picture.astype(np.uint16)
    small = (small[::2, ::2] + small[1::2, ::2] + small[::2, 1::2] + small[1::2, 1::2] + 2) // 4
    return small.astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)


def _windowed(picture, low, high):
    """What a window from `low` to `high` makes of the pixels."""
    greys = (np.arange(256) - low) * 255 / (high - low)
    return np.take(np.clip(np.round(greys), 0, 255).astype(np.uint8), picture)


class OnScreens(Function):
    """A function on screen captures, which a message names by what they are and not by their pixels."""

    def _as_written(self, case):
        return f"`{self.variables[0]}(picture, places)`"


def _measured(picture, places):
    """What there is to be measured in a capture, in a sentence."""
    picture = picture.astype(int)
    mean = {name: patch(picture, places[name]).mean() for name in ("5 %", "black", "95 %", "white")}
    across = np.abs(np.diff(patch(picture, places["lines across"]), axis=0))
    upright = np.abs(np.diff(patch(picture, places["lines upright"]), axis=1))
    return (f"In this capture the means are {mean['5 %']:.1f} for the 5 % and {mean['black']:.1f} for black, {mean['95 %']:.1f} for the "
            f"95 % and {mean['white']:.1f} for white; the smallest difference of two neighbouring lines is {across.min()} across and "
            f"{upright.min()} upright; the ramp holds {len(np.unique(patch(picture, places['ramp'])))} different values. Compare that with "
            "what your function finds, and with the rule's 4, 4, 200 and 200. `show(cpsa03.q5.failed[0])` shows the capture.")


@lesson.exercise
class PatternFaults:
    """Write `pattern_faults(picture, places)`. `picture` is a **screen capture** of the upper half of the overview pattern, an array of
    512 rows and 1024 columns with 8 bits; `places` is the dictionary above. Return a list of what is wrong, in any order, empty when
    nothing is:

    - `"black"`: the mean of the place `5 %` is **less than 4** above the mean of `black`, or even below it;
    - `"white"`: the mean of the place `95 %` is **less than 4** below the mean of `white`, or even above it;
    - `"scaled"`: in `lines across` or in `lines upright`, two **neighbouring** lines differ by less than 200 anywhere. The lines of the
      first lie one below the other, those of the second side by side;
    - `"banded"`: the place `ramp` as a whole holds fewer than 200 different values.

    It will be tried on captures from workstations that you have not seen; some have more than one fault.
    """

    answer = OnScreens("pattern_faults", result=Set(""), about=_measured)
    points = 3

    def solution(picture, places):
        picture = picture.astype(int)
        faults = []
        if patch(picture, places["5 %"]).mean() - patch(picture, places["black"]).mean() < 4:
            faults.append("black")
        if patch(picture, places["white"]).mean() - patch(picture, places["95 %"]).mean() < 4:
            faults.append("white")
        across = np.abs(np.diff(patch(picture, places["lines across"]), axis=0))
        upright = np.abs(np.diff(patch(picture, places["lines upright"]), axis=1))
        if across.min() < 200 or upright.min() < 200:
            faults.append("scaled")
        if len(np.unique(patch(picture, places["ramp"]))) < 200:
            faults.append("banded")
        return faults

    def _but(picture, places, name, found):
        """The right faults, with the one of that name replaced by whether it was found."""
        rest = [one for one in PatternFaults.solution(picture, places) if one != name]
        return rest + [name] if found else rest

    def always_scaled(picture, places):
        return PatternFaults._but(picture, places, "scaled", True)

    def by_extremes(picture, places):
        spans = [int(np.ptp(patch(picture, places[name]))) for name in ("lines across", "lines upright")]
        return PatternFaults._but(picture, places, "scaled", min(spans) < 200)

    def by_the_mean_of_the_lines(picture, places):
        means = [patch(picture, places[name]).mean() for name in ("lines across", "lines upright")]
        return PatternFaults._but(picture, places, "scaled", any(abs(mean - 127.5) > 10 for mean in means))

    def lines_across_alone(picture, places):
        across = np.abs(np.diff(patch(picture.astype(int), places["lines across"]), axis=0))
        return PatternFaults._but(picture, places, "scaled", across.min() < 200)

    def lines_upright_alone(picture, places):
        upright = np.abs(np.diff(patch(picture.astype(int), places["lines upright"]), axis=1))
        return PatternFaults._but(picture, places, "scaled", upright.min() < 200)

    def in_both_directions(picture, places):
        across = np.abs(np.diff(patch(picture.astype(int), places["lines across"]), axis=0))
        upright = np.abs(np.diff(patch(picture.astype(int), places["lines upright"]), axis=1))
        return PatternFaults._but(picture, places, "scaled", across.min() < 200 and upright.min() < 200)

    def one_line_of_pixels(picture, places):
        across = np.abs(np.diff(patch(picture.astype(int), places["lines across"])[:, 0]))
        upright = np.abs(np.diff(patch(picture.astype(int), places["lines upright"])[0]))
        return PatternFaults._but(picture, places, "scaled", across.min() < 200 or upright.min() < 200)

    def absolute_ends(picture, places):
        found = [one for one in PatternFaults.solution(picture, places) if one not in ("black", "white")]
        found += ["black"] if patch(picture, places["5 %"]).mean() < 4 else []
        return found + (["white"] if patch(picture, places["95 %"]).mean() > 251 else [])

    def values_of_the_whole_capture(picture, places):
        return PatternFaults._but(picture, places, "banded", len(np.unique(picture)) < 200)

    def the_mean_step(picture, places):
        across = np.abs(np.diff(patch(picture.astype(int), places["lines across"]), axis=0))
        upright = np.abs(np.diff(patch(picture.astype(int), places["lines upright"]), axis=1))
        return PatternFaults._but(picture, places, "scaled", across.mean() < 200 or upright.mean() < 200)

    def levels_as_they_were_drawn(picture, places):
        found = [one for one in PatternFaults.solution(picture, places) if one not in ("black", "white")]
        found += ["black"] if abs(patch(picture, places["5 %"]).mean() - 13) >= 4 else []
        return found + (["white"] if abs(patch(picture, places["95 %"]).mean() - 242) >= 4 else [])

    def white_the_wrong_way(picture, places):
        off = patch(picture, places["95 %"]).mean() - patch(picture, places["white"]).mean()
        return PatternFaults._but(picture, places, "white", off < 4)

    def the_first_alone(picture, places):
        return PatternFaults.solution(picture, places)[:1]

    def never_banded(picture, places):
        return PatternFaults._but(picture, places, "banded", False)

    def faults_at_the_limit(picture, places):
        cut = {name: patch(picture.astype(int), place) for name, place in places.items()}
        steps = min(np.abs(np.diff(cut["lines across"], axis=0)).min(), np.abs(np.diff(cut["lines upright"], axis=1)).min())
        found = {"black": cut["5 %"].mean() - cut["black"].mean() <= 4, "white": cut["white"].mean() - cut["95 %"].mean() <= 4,
                 "scaled": steps <= 200, "banded": len(np.unique(cut["ramp"])) <= 200}
        return [name for name in found if found[name]]

    def whole_greys(picture, places):
        mean = {name: round(float(patch(picture, places[name]).mean())) for name in ("5 %", "black", "95 %", "white")}
        found = [one for one in PatternFaults.solution(picture, places) if one not in ("black", "white")]
        found += ["black"] if mean["5 %"] - mean["black"] < 4 else []
        return found + (["white"] if mean["white"] - mean["95 %"] < 4 else [])

    def all_256_levels(picture, places):
        return PatternFaults._but(picture, places, "banded", len(np.unique(patch(picture, places["ramp"]))) < 256)

    wrong_ways = {
        always_scaled: "Every picture looks scaled to you, also a faultless one. Three slips lead there. In eight bits 0 − 255 is 1, "
        "because such pixels have no sign: begin with `picture = picture.astype(int)`. Or the signs are still there: a step from white "
        "down to black is −255, and that is less than 200 as well: `np.abs(...)`. Or you compare pixels along the same line, which are "
        "alike: `axis=0` compares a row with the next, `axis=1` a column with the next; which of them do the lines across need?",
        by_extremes: "You looked at the largest difference there is among the lines. Software that scales without smoothing keeps both "
        "greys, and drops whole lines between them: two neighbours are then alike. Take the **smallest** step from a line to the next.",
        by_the_mean_of_the_lines: "The mean grey of the lines stays at half, however they are smeared: that is what smearing is. "
        "Compare each line with the next.",
        lines_across_alone: "You looked at the lines across alone. A picture that is stretched in one direction, a wrong aspect ratio, "
        "keeps the other lines: look at those upright too.",
        lines_upright_alone: "You looked at the upright lines alone. A picture that is stretched in one direction, a wrong aspect ratio, "
        "keeps the other lines: look at those across too.",
        in_both_directions: "You ask that both kinds of lines are hurt, `and`. A picture that is stretched in one direction only hurts one "
        "of them: the rule says *or*.",
        one_line_of_pixels: "You looked along a single row or column of pixels. A remote desktop may smear one block in the middle and "
        "leave the rest as it is. The rule says *anywhere*: take the differences of the whole place.",
        absolute_ends: "You looked at the two squares, and not at what lies around them. When a viewer lifts black and the 5 % to the same "
        "grey, the square is as invisible as when both are 0: subtract the mean of `black`, and that of the 95 % from `white`.",
        values_of_the_whole_capture: "You counted the different values of the whole capture. Letters, patches and edges have many; what is "
        "asked are those of the place `ramp`.",
        the_mean_step: "You took the mean of the differences. When one line in four is lost, the mean is still high. The rule says "
        "*anywhere*: take the smallest, `.min()`.",
        levels_as_they_were_drawn: "You compared the levels with those of the original. A viewer may lift black a little, and the 5 % "
        "is as visible as before: what counts is the difference from what lies **around** it.",
        white_the_wrong_way: "The 95 % lies **below** white: white minus 95 %. Yours is below zero in every sound picture, so that white "
        "is at fault there.",
        the_first_alone: "You stop at the first fault. A capture may show several, with several causes: collect them.",
        never_banded: "No ramp is banded for you. One of 64 steps reaches from black to white as well, and has as many pixels: neither "
        "span nor size tells. Count the **different** values: `len(np.unique(...))`.",
        faults_at_the_limit: "You count it as a fault when a number is exactly at its limit. The rule says *less than* and *fewer than*: "
        "`<`.",
        whole_greys: "You let a difference of 3.7 pass, and it is less than 4: do you round the means to whole greys?",
        all_256_levels: "You ask for all 256 values. A window that lifts black by a few levels loses some, and nobody sees steps: the rule "
        "says 200.",
    }
    hints = [
        "Four questions, each with an `if` of its own, and a list `faults` to which they append. `patch(picture, places[...])` cuts out "
        "a place.",
        "`.mean()` is the mean of a patch. For black: the mean of `5 %` minus the mean of `black`.",
        "Before you take differences, `picture = picture.astype(int)`. `np.abs(np.diff(lines, axis=0))` has the difference of each row "
        "from the next; `.min()` is the smallest.",
        "`len(np.unique(patch(picture, places[\"ramp\"])))` counts the different values of the ramp.",
    ]
    praise = "Such a check can run each morning on every workstation, before anybody reads. It sees what software does to pixels; for " \
        "what comes behind the capture you need the photometer, or somebody's eye on the pattern."

    def cases(draw, pattern, places):
        whole = pattern.pixel_array[:512]
        drawn = [
            whole, _windowed(whole, -draw.randint(8, 12), 255), _windowed(whole, 0, draw.randint(270, 280)),
            _windowed(whole, draw.randint(16, 22), 255), _windowed(whole, 0, draw.randint(232, 238)),
            _windowed(whole, draw.randint(15, 18), draw.randint(236, 239)),
            _scaled(whole, 3, 3), _scaled(whole, columns=draw.choice((12, 13, 14, 16))), _scaled(whole, rows=draw.randint(12, 16)),
            _averaged(whole),
            _scaled(whole, 14, 14), np.clip(whole, draw.randint(18, 24), draw.randint(230, 237)),
            _smeared(whole, _block(draw, places["lines across"])), _smeared(whole, _block(draw, places["lines upright"])),
            _ramp_in_steps(whole, places["ramp"]), 255 - whole,
            whole // 4 * 4, _scaled(_windowed(whole, draw.randint(16, 22), 255), 5, 5), _windowed(whole // 4 * 4, 20, 255),
            # At the limits of the rule, and a little beyond each.
            _toned(whole, places, 3.75, 4), _toned(whole, places, 4, 3.75),
            _dithered_ramp(_toned(whole, places, 3.25, 3.25), places["ramp"]),
            _faint_lines(_ramp_of(whole, places["ramp"], 200), places, ("lines across", "lines upright"), 200),
            _faint_lines(whole, places, ("lines across",), 199),
            _faint_lines(_ramp_of(whole, places["ramp"], 199), places, ("lines upright",), 199),
        ]
        draw.shuffle(drawn)
        return [(picture, places) for picture in drawn]


def _block(draw, place):
    """A block of 16 by 16 pixels somewhere inside a place, not at its edges."""
    top, bottom, left, right = place
    row, column = draw.randint(top + 8, bottom - 24), draw.randint(left + 8, right - 24)
    return row, row + 16, column, column + 16


def _means(dataset, places, names):
    """Mean stored value at each of the places."""
    pixels = dataset.pixel_array
    return [float(patch(pixels, places[name]).mean()) for name in names]


FIVE = ("middle", "top left", "top right", "bottom left", "bottom right")


def _about_plate(name, given, right, input):
    """A sentence on a wrong number of the plates that is near enough to something to be known."""
    flat, low, dirty, places = (input(one) for one in ("flat_plate", "low_plate", "artefact_plate", "plate_places"))

    def near(number):
        return abs(given[0] - number) < 0.011

    if any(abs(given[0] - round(right[0], digits)) < 1e-9 for digits in (0, 1)):
        return "You rounded too far: two decimals are asked, so that rounds can be compared."
    if name == "uniformity":
        for dataset, names, sentence in (
                (low, FIVE, "That is the uniformity of `low_plate`, on which the ghost lies. Asked is that of `flat_plate`."),
                (dirty, FIVE, "That is the uniformity of `artefact_plate`, with its specks. Asked is that of `flat_plate`."),
                (flat, list(places), "You took all seven places of the dictionary. The five of the flat field are asked, without the two "
                                     "of the hand.")):
            means = _means(dataset, places, names)
            if near(200 * (max(means) - min(means)) / (max(means) + min(means))):
                return sentence
        means, pixels = _means(flat, places, FIVE), flat.pixel_array.astype(float)
        if near(200 * (pixels.max() - pixels.min()) / (pixels.max() + pixels.min())):
            return "You took the brightest and the darkest pixel of the whole plate. That is mostly noise: compare the five means."
        if near(100 * (1 - min(means) / max(means))) or near(100 * (max(means) / min(means) - 1)):
            return "You divided by one of the two. The difference is divided by both together: 200·(highest − lowest) / (highest + lowest)."
        if near(100 * (max(means) - min(means)) / (sum(means) / 5)):
            return "You divided by the mean of all five. The formula takes the highest and the lowest alone: (highest + lowest) / 2."
    if name == "ghost":
        if near(100 + right[0]):
            return "The last step is missing, `- 1` inside the brackets: asked is how much **higher** the signal is."
        (one, two), (three, four) = (_means(dataset, places, ("beside the hand", "hand")) for dataset in (low, dirty))
        if near(100 * (one / three / (two / four) - 1)):
            return "You divided by `artefact_plate`. Asked is the flat field, `flat_plate`."
    if name == "snr":
        corner = patch(flat.pixel_array, places["top left"])
        if near(corner.mean() / corner.std()):
            return "That is the SNR at `top left`. Asked is that at `middle`."
        for dataset, called in ((low, "low_plate"), (dirty, "artefact_plate")):
            middle = patch(dataset.pixel_array, places["middle"])
            if near(middle.mean() / middle.std()):
                return f"That is the SNR of `{called}`. Asked is that of `flat_plate`."
    return None


@lesson.exercise
class PlateNumbers:
    """Three numbers of CR_ER1's plate, each with two decimals or more. All are worked out from **stored values**, which are proportional to
    the dose here.

    - `uniformity`, in %, of `flat_plate`: 200·(highest − lowest) / (highest + lowest), where highest and lowest are of the five **mean
      values** at the places middle, top left, top right, bottom left and bottom right;
    - `snr`, of `flat_plate`: mean divided by standard deviation at the place middle;
    - `ghost`, in %, of `low_plate`: how much higher is the signal at the place `beside the hand` than at the place `hand`? The beam is
      not even, so divide the mean of each of the two places by the mean of `flat_plate` **at the same place** first; then
      100·(beside / hand − 1).
    """

    answer = Fields("plate", {"uniformity": Number("", unit="%", tolerance=0.011), "snr": Number("", tolerance=0.011),
                              "ghost": Number("", unit="%", tolerance=0.011)}, remark=_about_plate)
    points = 3

    def solution(flat_plate, low_plate, plate_places):
        flat = flat_plate.pixel_array
        low = low_plate.pixel_array
        means = []
        for name in ("middle", "top left", "top right", "bottom left", "bottom right"):
            means.append(patch(flat, plate_places[name]).mean())
        middle = patch(flat, plate_places["middle"])
        beside = patch(low, plate_places["beside the hand"]).mean() / patch(flat, plate_places["beside the hand"]).mean()
        hand = patch(low, plate_places["hand"]).mean() / patch(flat, plate_places["hand"]).mean()
        return {
            "uniformity": 200 * (max(means) - min(means)) / (max(means) + min(means)),
            "snr": middle.mean() / middle.std(),
            "ghost": 100 * (beside / hand - 1),
        }

    def by_single_pixels(flat_plate, low_plate, plate_places):
        found = [patch(flat_plate.pixel_array, plate_places[name]) for name in FIVE]
        high, low = max(float(one.max()) for one in found), min(float(one.min()) for one in found)
        return {**PlateNumbers.solution(flat_plate, low_plate, plate_places), "uniformity": 200 * (high - low) / (high + low)}

    def half_of_it(flat_plate, low_plate, plate_places):
        right = PlateNumbers.solution(flat_plate, low_plate, plate_places)
        return {**right, "uniformity": right["uniformity"] / 2}

    def against_the_middle(flat_plate, low_plate, plate_places):
        means = _means(flat_plate, plate_places, FIVE)
        return {**PlateNumbers.solution(flat_plate, low_plate, plate_places),
                "uniformity": 100 * max(abs(one / means[0] - 1) for one in means)}

    def white_over_black(flat_plate, low_plate, plate_places):
        means = _means(flat_plate, plate_places, FIVE)
        return {**PlateNumbers.solution(flat_plate, low_plate, plate_places), "uniformity": 100 * min(means) / max(means)}

    def noise_of_the_whole_plate(flat_plate, low_plate, plate_places):
        pixels = flat_plate.pixel_array
        return {**PlateNumbers.solution(flat_plate, low_plate, plate_places), "snr": float(pixels.mean() / pixels.std())}

    def by_the_variance(flat_plate, low_plate, plate_places):
        middle = patch(flat_plate.pixel_array, plate_places["middle"])
        return {**PlateNumbers.solution(flat_plate, low_plate, plate_places), "snr": float(middle.mean() / middle.var())}

    def squared(flat_plate, low_plate, plate_places):
        right = PlateNumbers.solution(flat_plate, low_plate, plate_places)
        return {**right, "snr": right["snr"] ** 2}

    def in_decibels(flat_plate, low_plate, plate_places):
        right = PlateNumbers.solution(flat_plate, low_plate, plate_places)
        return {**right, "snr": 20 * math.log10(right["snr"])}

    def noise_over_signal(flat_plate, low_plate, plate_places):
        right = PlateNumbers.solution(flat_plate, low_plate, plate_places)
        return {**right, "snr": 1 / right["snr"]}

    def from_a_hundred(flat_plate, low_plate, plate_places):
        right = PlateNumbers.solution(flat_plate, low_plate, plate_places)
        return {**right, "uniformity": 100 - right["uniformity"]}

    def by_the_signal_beside(flat_plate, low_plate, plate_places):
        right = PlateNumbers.solution(flat_plate, low_plate, plate_places)
        return {**right, "ghost": 100 * (1 - 1 / (1 + right["ghost"] / 100))}

    def the_beam_in_it(flat_plate, low_plate, plate_places):
        beside, hand = _means(low_plate, plate_places, ("beside the hand", "hand"))
        return {**PlateNumbers.solution(flat_plate, low_plate, plate_places), "ghost": 100 * (beside / hand - 1)}

    def the_beam_twice(flat_plate, low_plate, plate_places):
        low, flat = (_means(one, plate_places, ("beside the hand", "hand")) for one in (low_plate, flat_plate))
        return {**PlateNumbers.solution(flat_plate, low_plate, plate_places), "ghost": 100 * (low[0] * flat[0] / (low[1] * flat[1]) - 1)}

    def hand_over_beside(flat_plate, low_plate, plate_places):
        right = PlateNumbers.solution(flat_plate, low_plate, plate_places)
        return {**right, "ghost": 100 * (1 / (1 + right["ghost"] / 100) - 1)}

    def in_stored_values(flat_plate, low_plate, plate_places):
        beside, hand = _means(low_plate, plate_places, ("beside the hand", "hand"))
        return {**PlateNumbers.solution(flat_plate, low_plate, plate_places), "ghost": beside - hand}

    wrong_ways = {
        by_single_pixels: "You took the brightest and the darkest single pixel. That is mostly noise, and grows with the size of the "
        "places; compare the five means.",
        half_of_it: "That is half of it. The difference is divided by the **mean** of the two, (highest + lowest) / 2: hence 200 and not "
        "100.",
        against_the_middle: "You took the largest deviation from the middle. That is another measure, which some reports use; this "
        "policy takes the highest and the lowest of the five.",
        white_over_black: "That is the lowest as a share of the highest, so that 100 % would be perfect. Asked is the difference: 0 % is "
        "perfect.",
        noise_of_the_whole_plate: "Over the whole plate the standard deviation holds the unevenness of the beam as well as the noise. "
        "Take a small place, in which the beam is even.",
        by_the_variance: "You divided by the variance, `.var()`. The noise is its root, the standard deviation: `.std()`.",
        squared: "You squared it. SNR² goes with the dose, and some tables give that; asked is the SNR.",
        in_decibels: "You give the SNR in decibels. That is a way to write it; asked is the plain quotient, mean divided by standard "
        "deviation.",
        noise_over_signal: "You divided the noise by the signal. SNR is signal to noise: the mean divided by the standard deviation.",
        from_a_hundred: "You took it from 100, so that 100 % would be perfect. Asked is the difference itself: 0 % is perfect.",
        by_the_signal_beside: "You took the share of the signal **beside** the hand. The formula takes that at the hand as the 100 %: "
        "100·(beside / hand − 1).",
        the_beam_in_it: "You compared the two places as they are. The beam itself is not as strong in both: part of your number is the "
        "heel effect and no ghost. Divide each by the flat field at the same place.",
        the_beam_twice: "You multiplied by the flat field. That doubles the unevenness of the beam; dividing takes it out.",
        hand_over_beside: "You divided hand by beside, so that it is below zero. Where the hand lay, the earlier exposure was weaker, "
        "and so is the ghost: how much higher is the signal **beside** it?",
        in_stored_values: "That is a difference of stored values. What is left of the earlier exposure is to be seen against the signal "
        "of this one: in percent.",
    }
    hints = [
        "`pixels = flat_plate.pixel_array` is the array, and `patch(pixels, plate_places[\"middle\"])` the part at a place.",
        "uniformity: make a list with the five means; then `max(...)` and `min(...)` of it. snr: `.mean()` and `.std()` of one patch.",
        "ghost: four means are needed: at `beside the hand` and at `hand`, each of `low_plate` and of `flat_plate`.",
        "`beside` is the mean of `low_plate` there, divided by the mean of `flat_plate` there; `hand` likewise. Then the formula.",
    ]
    praise = "The unevenness is mostly the heel effect of the tube. To judge the plate alone, expose it twice, the cassette turned by " \
        "half a turn under the tube in between: the plate's own part stays. The ghost is real: this eraser needs new lamps, or more time."


SCALES = ("EI", "S", "log")


def _relative(scale, value, target):
    """The exposure as a multiple of the target's."""
    return {"EI": lambda: value / target, "S": lambda: target / value, "log": lambda: 10 ** ((value - target) / 1000)}[scale]()


@lesson.exercise
class DeviationIndex:
    """Write `deviation_index(scale, value, target)`: the deviation index DI of an exposure, from what the unit shows (`value`) and what
    it should show (`target`), both in the unit's own scale.

    - `"EI"`: proportional to the exposure of the plate (the exposure index of IEC 62494-1);
    - `"S"`: **inversely** proportional to it (as Fuji's S number, 200 divided by the exposure in mR);
    - `"log"`: 1000 times the logarithm to base 10 of the exposure, plus a constant (as Kodak's old exposure index).

    First the ratio of the exposure to that of the target, then DI = 10·log10(ratio).
    """

    answer = Function("deviation_index", result=Number(tolerance=0.06))
    points = 2

    def solution(scale, value, target):
        if scale == "EI":
            ratio = value / target
        elif scale == "S":
            ratio = target / value
        else:
            ratio = 10 ** ((value - target) / 1000)
        return 10 * math.log10(ratio)

    def _with(scale, value, target, own, ratio):
        """The right DI, but that of another ratio for the scale `own`."""
        return 10 * math.log10(ratio) if scale == own else DeviationIndex.solution(scale, value, target)

    def s_grows(scale, value, target):
        return DeviationIndex._with(scale, value, target, "S", value / target)

    def all_alike(scale, value, target):
        return 10 * math.log10(value / target)

    def log_as_proportional(scale, value, target):
        return DeviationIndex._with(scale, value, target, "log", value / target)

    def three_hundred_is_double(scale, value, target):
        return DeviationIndex._with(scale, value, target, "EI", 2 ** ((value - target) / 300))

    def twenty(scale, value, target):
        return 20 * math.log10(_relative(scale, value, target))

    def without_the_ten(scale, value, target):
        return math.log10(_relative(scale, value, target))

    def natural_logarithm(scale, value, target):
        return 10 * math.log(_relative(scale, value, target))

    def base_two(scale, value, target):
        return 10 * math.log2(_relative(scale, value, target))

    def the_other_way(scale, value, target):
        return -DeviationIndex.solution(scale, value, target)

    def in_percent(scale, value, target):
        return 100 * (_relative(scale, value, target) - 1)

    def a_ratio(scale, value, target):
        return _relative(scale, value, target)

    def natural_power(scale, value, target):
        return DeviationIndex._with(scale, value, target, "log", math.exp((value - target) / 1000))

    def difference_as_ratio(scale, value, target):
        return DeviationIndex._with(scale, value, target, "log", value - target)

    def a_thousand_forgotten(scale, value, target):
        return 10.0 * (value - target) if scale == "log" else DeviationIndex.solution(scale, value, target)

    def the_difference_itself(scale, value, target):
        return float(value - target) if scale == "log" else DeviationIndex.solution(scale, value, target)

    def the_power_without_a_thousand(scale, value, target):
        return DeviationIndex._with(scale, value, target, "log", 10.0 ** (value - target))

    def whole_number(scale, value, target):
        return round(DeviationIndex.solution(scale, value, target))

    def cut_off(scale, value, target):
        return int(DeviationIndex.solution(scale, value, target))

    def without_its_sign(scale, value, target):
        return abs(DeviationIndex.solution(scale, value, target))

    def the_target_not_undone(scale, value, target):
        return DeviationIndex._with(scale, value, target, "log", 10 ** (value / 1000) / target)

    def thousandths(scale, value, target):
        return (value - target) / 1000 if scale == "log" else DeviationIndex.solution(scale, value, target)

    wrong_ways = {
        s_grows: "You let S grow with the exposure. It is a speed: the **more** exposure, the **less** speed was needed. By yours a "
        "room whose dose creeps up looks as if it saved dose.",
        all_alike: "You treat all three scales alike. S goes down when the exposure goes up, and the third scale is a logarithm: each "
        "needs a branch of its own.",
        log_as_proportional: "The third scale is a logarithm already: from 1800 to 2100 is no sixth more, it is about twice the "
        "exposure. Take the difference, and undo the logarithm.",
        three_hundred_is_double: "You count 300 more as twice the exposure in the EI of the IEC. That holds for the logarithmic scale "
        "(1000·log10(2) is 301). IEC 62494-1 made its EI proportional: twice the exposure is twice the EI.",
        twenty: "20·log10 is for amplitudes, such as sound pressure. IEC 62494-1 defines DI with 10: by yours twice the exposure would be "
        "+6.",
        without_the_ten: "The factor 10 is missing: DI is ten times the logarithm, so that +1 is about a quarter more.",
        natural_logarithm: "That is the natural logarithm. DI takes the one to base 10, so that twice the exposure is about +3.",
        base_two: "That is the logarithm to base 2, with which twice the exposure would be +10. DI takes base 10.",
        the_other_way: "Your sign is the wrong way round: more exposure than wanted gives a DI above zero.",
        in_percent: "You give the deviation in percent. DI is no percentage: +3 is about twice the exposure, and not 3 % over.",
        a_ratio: "That is the ratio of the exposures. DI is ten times its logarithm to base 10: on target it is 0.",
        natural_power: "You undid the logarithm with e (`math.exp`). It is one to base 10: `10 ** (...)`.",
        difference_as_ratio: "A number that is zero or below has no logarithm. A ratio of two exposures is never so low: do you take a "
        "difference, `value - target`, for the ratio? In the logarithmic scale the difference is a logarithm itself, times 1000. Undo "
        "both: divide by 1000, and then `10 ** (...)`.",
        a_thousand_forgotten: "For the logarithmic scale you gave ten times the difference. The scale is 1000 times the logarithm: "
        "divide the difference by 1000 first.",
        the_difference_itself: "For the logarithmic scale your DI is the difference itself. The scale is a **thousand** times the "
        "logarithm, DI ten times: divide the difference by 1000, undo the logarithm with `10 ** (...)`, and go on as for the others.",
        the_power_without_a_thousand: "You undid the logarithm with `10 ** (value - target)`, a power so large or so small that Python "
        "cannot go on with it. The scale is **1000 times** the logarithm: divide the difference by 1000 first.",
        whole_number: "You round to whole numbers. Half a unit is an eighth of the exposure: a creep would be seen months late.",
        cut_off: "You cut off the decimals. Half a unit is an eighth of the exposure: a creep would be seen months late.",
        without_its_sign: "You took the sign away. It says whether the exposure was more than wanted, or less: below zero is less.",
        the_target_not_undone: "For the logarithmic scale you undid the logarithm of `value` and divided by `target` as it stands. The "
        "target is on that scale too: take the difference first, and undo that.",
        thousandths: "For the logarithmic scale you gave the difference over 1000, which is the logarithm of the ratio. DI is ten times "
        "that.",
    }
    hints = [
        "Three branches, `if scale == \"EI\":` (with its quotes), `elif scale == \"S\":`, `else:`; each works out `ratio`. One line behind "
        "them makes DI of it.",
        "S is inverse: if value is half of the target, the exposure was twice that of the target.",
        "The logarithmic scale: the constant falls out in `value - target`. Divide by 1000, and `10 ** (...)` undoes the logarithm.",
    ]
    praise = "Now exposures of all units can be put on one chart. DI says something of the detector, nothing of the patient's dose."

    def cases(draw):
        # The logarithmic scale twice above the target, once a little below it and once far below.
        found = [("log", round(1800 + 1000 * math.log10(ratio)), 1800)
                 for ratio in (draw.uniform(1.4, 1.6), draw.uniform(1.9, 2.0), draw.uniform(0.7, 0.8), draw.uniform(0.35, 0.4))]
        for _ in range(8):
            target, ratio = draw.choice((200, 250, 400)), draw.choice((0.4, 0.5, 0.7, 1.3, 2.0, 2.5, 3.2)) * draw.uniform(0.95, 1.05)
            found.append(("EI", round(target * ratio), target))
            target = draw.choice((200, 400, 700))
            found.append(("S", round(target / ratio), target))
            target = draw.choice((1700, 1800, 2000))
            found.append(("log", round(target + 1000 * math.log10(ratio)), target))
        return found


def _limits_of(values):
    """Lower and upper limit of a chart of single values."""
    mean = sum(values) / len(values)
    spread = MOVING_RANGE * sum(abs(b - a) for a, b in zip(values, values[1:])) / (len(values) - 1)
    return mean - spread, mean + spread


def _first_signal(values, limits, running=2, sides=("above", "below"), first=8):
    """The number, from 1, of the first week of `running` in a row beyond the same limit, from place `first` on; 0 if there is none."""
    low, high = limits
    for place in range(first, len(values) - running + 1):
        weeks = values[place:place + running]
        if "above" in sides and min(weeks) > high or "below" in sides and max(weeks) < low:
            return place + 1
    return 0


def _charts(patients, phantom):
    """The limits of both charts of a case, in a sentence."""
    (low, high), (lower, higher) = _limits_of(patients[:8]), _limits_of(phantom[:8])
    return (f"In this case the limits are {low:.3f} and {high:.3f} on the chart of `patients`, {lower:.3f} and {higher:.3f} on that of "
            "`phantom`. Compare them with yours; if they are the same, look which weeks lie beyond them, from week 9 on.")


@lesson.exercise
class Creep:
    """Write `creep(patients, phantom)`: since when has the exposure of a unit changed, and what has changed?

    Both are lists of mean DI, one a week, for the same ten weeks or more: `patients` of the patients' exposures, `phantom` of the
    constancy exposures of the same unit (a test object, always the same settings). HVGH's rule, for each list on a chart of its own:

    1. The **first 8** weeks are the baseline. The centre is their mean; the limits lie 2.66 times their **mean moving range** above and
       below it (the mean of the seven differences between a week and the next, without signs).
    2. A signal is **two weeks in a row**, from week 9 on, beyond the **same** limit. It is dated by the first of the two.

    Return a dictionary: `"week"`, the number of that week in `patients`, counted from 1 (0 without a signal); `"cause"`: `"none"`
    without a signal in `patients`; `"equipment"` (tube, plate or reader) if `phantom` has a signal too, in any week from week 9 on and
    in either direction, whatever that of the patients; else `"technique"`. That stands for all that a phantom with fixed settings does
    not test: how people expose, the programmes from which they choose, the automatic exposure control, how the reader finds its number
    in a patient's image, other patients and examinations than before.

    You may write a function of your own for one list first, and use it twice.
    """

    answer = Function("creep", result=Fields("", {"week": Number("", named=("week",)), "cause": Text("")}, in_order=True),
                      about=_charts)
    points = 4

    def solution(patients, phantom):
        def first_signal(values):
            base = values[:8]
            mean = sum(base) / 8
            moves = 0
            for week in range(7):
                moves = moves + abs(base[week + 1] - base[week])
            low = mean - 2.66 * moves / 7
            high = mean + 2.66 * moves / 7
            for week in range(8, len(values) - 1):
                if values[week] > high and values[week + 1] > high:
                    return week + 1
                if values[week] < low and values[week + 1] < low:
                    return week + 1
            return 0

        week = first_signal(patients)
        cause = "technique"
        if first_signal(phantom) > 0:
            cause = "equipment"
        if week == 0:
            cause = "none"
        return {"week": week, "cause": cause}

    def _by(patients, phantom, limits=lambda values: _limits_of(values[:8]), late=0, **rule):
        """What the rule gives with other limits, or with another rule for the signal."""
        week, other = (_first_signal(values, limits(values), **rule) for values in (patients, phantom))
        return {"week": week + late if week else 0, "cause": "none" if not week else "equipment" if other else "technique"}

    def _with_spread(patients, phantom, spread):
        """What the rule gives with limits at `spread(first 8 weeks)` from their mean."""
        def limits(values):
            base = values[:8]
            return sum(base) / 8 - spread(base), sum(base) / 8 + spread(base)
        return Creep._by(patients, phantom, limits)

    def _if(patients, phantom, changed):
        """The right week, and the equipment as the cause where `changed(week, first week of the phantom's signal or 0)` says so."""
        week, other = (_first_signal(values, _limits_of(values[:8])) for values in (patients, phantom))
        return {"week": week, "cause": "none" if not week else "equipment" if changed(week, other) else "technique"}

    def limits_of_all_weeks(patients, phantom):
        return Creep._by(patients, phantom, _limits_of)

    def two_standard_deviations(patients, phantom):
        def limits(values):
            base = np.array(values[:8])
            return base.mean() - 2 * base.std(ddof=1), base.mean() + 2 * base.std(ddof=1)
        return Creep._by(patients, phantom, limits)

    def deviations_of_all_weeks(patients, phantom):
        return Creep._by(patients, phantom, lambda values: (np.mean(values) - 2 * np.std(values), np.mean(values) + 2 * np.std(values)))

    def two_deviations_by_numpy(patients, phantom):
        return Creep._with_spread(patients, phantom, lambda base: 2 * float(np.std(base)))

    def three_deviations_by_numpy(patients, phantom):
        return Creep._with_spread(patients, phantom, lambda base: 3 * float(np.std(base)))

    def nine_weeks_of_baseline(patients, phantom):
        return Creep._by(patients, phantom, lambda values: _limits_of(values[:9]))

    def three_standard_deviations(patients, phantom):
        return Creep._with_spread(patients, phantom, lambda base: 3 * float(np.std(base, ddof=1)))

    def divided_by_eight(patients, phantom):
        return Creep._with_spread(patients, phantom, lambda base: MOVING_RANGE * sum(np.abs(np.diff(base))) / 8)

    def three_moving_ranges(patients, phantom):
        return Creep._with_spread(patients, phantom, lambda base: 3 * sum(np.abs(np.diff(base))) / 7)

    def the_median_move(patients, phantom):
        return Creep._with_spread(patients, phantom, lambda base: MOVING_RANGE * float(np.median(np.abs(np.diff(base)))))

    def four_weeks_of_baseline(patients, phantom):
        return Creep._by(patients, phantom, lambda values: _limits_of(values[:4]))

    def three_weeks_in_a_row(patients, phantom):
        return Creep._by(patients, phantom, running=3)

    def one_week_of_the_phantom(patients, phantom):
        one = _first_signal(phantom, _limits_of(phantom[:8]), running=1)
        return Creep._if(patients, phantom, lambda week, other: one)

    def seven_weeks_of_baseline(patients, phantom):
        return Creep._by(patients, phantom, lambda values: _limits_of(values[:7]))

    def around_the_mean_of_all(patients, phantom):
        def limits(values):
            low, high = _limits_of(values[:8])
            return sum(values) / len(values) - (high - low) / 2, sum(values) / len(values) + (high - low) / 2
        return Creep._by(patients, phantom, limits)

    def the_first_two_weeks_alone(patients, phantom):
        week, other = (_first_signal(values[:10], _limits_of(values[:8])) for values in (patients, phantom))
        return {"week": week, "cause": "none" if not week else "equipment" if other else "technique"}

    def beyond_the_last_week(patients, phantom):
        return patients[len(patients)]

    def the_phantom_without_the_patients(patients, phantom):
        right, other = Creep.solution(patients, phantom), _first_signal(phantom, _limits_of(phantom[:8]))
        return {**right, "cause": "equipment" if other else right["cause"]}

    def in_the_same_week(patients, phantom):
        return Creep._if(patients, phantom, lambda week, other: other == week)

    def not_after_the_patients(patients, phantom):
        return Creep._if(patients, phantom, lambda week, other: 0 < other <= week)

    def not_before_the_patients(patients, phantom):
        return Creep._if(patients, phantom, lambda week, other: other >= week)

    def the_baseline_as_well(patients, phantom):
        return Creep._by(patients, phantom, first=0)

    def from_week_eight(patients, phantom):
        return Creep._by(patients, phantom, first=7)

    def from_week_ten(patients, phantom):
        return Creep._by(patients, phantom, first=9)

    def counted_after_the_baseline(patients, phantom):
        return Creep._by(patients, phantom, late=-8)

    def the_lists_mixed_up(patients, phantom):
        return Creep.solution(phantom, patients)

    def one_week_is_enough(patients, phantom):
        return Creep._by(patients, phantom, running=1)

    def above_alone(patients, phantom):
        return Creep._by(patients, phantom, sides=("above",))

    def on_either_side(patients, phantom):
        weeks = []
        for values in (patients, phantom):
            low, high = _limits_of(values[:8])
            out = [one > high or one < low for one in values]
            weeks.append(next((place + 1 for place in range(8, len(values) - 1) if out[place] and out[place + 1]), 0))
        return {"week": weeks[0], "cause": "none" if not weeks[0] else "equipment" if weeks[1] else "technique"}

    def around_the_target(patients, phantom):
        return Creep._by(patients, phantom, lambda values: (0 - (_limits_of(values[:8])[1] - sum(values[:8]) / 8),
                                                            _limits_of(values[:8])[1] - sum(values[:8]) / 8))

    def signs_kept(patients, phantom):
        def limits(values):
            mean, spread = sum(values[:8]) / 8, 2.66 * (values[7] - values[0]) / 7
            return mean - spread, mean + spread
        return Creep._by(patients, phantom, limits)

    def signs_kept_from_the_next(patients, phantom):
        def limits(values):
            mean, spread = sum(values[:8]) / 8, 2.66 * (values[0] - values[7]) / 7
            return mean - spread, mean + spread
        return Creep._by(patients, phantom, limits)

    def by_the_second_week(patients, phantom):
        return Creep._by(patients, phantom, late=1)

    def from_zero(patients, phantom):
        return Creep._by(patients, phantom, late=-1)

    def the_last_signal(patients, phantom):
        low, high = _limits_of(patients[:8])
        found = [place + 1 for place in range(8, len(patients) - 1)
                 if min(patients[place:place + 2]) > high or max(patients[place:place + 2]) < low]
        right = Creep.solution(patients, phantom)
        return {**right, "week": found[-1] if found else 0}

    def always_the_technique(patients, phantom):
        right = Creep.solution(patients, phantom)
        return {**right, "cause": "technique" if right["week"] else "none"}

    def the_two_mixed_up(patients, phantom):
        right = Creep.solution(patients, phantom)
        return {**right, "cause": {"equipment": "technique", "technique": "equipment"}.get(right["cause"], "none")}

    def phantom_for_the_week(patients, phantom):
        right = Creep.solution(patients, phantom)
        week = _first_signal(phantom, _limits_of(phantom[:8]))
        return {**right, "week": week or right["week"] if right["week"] else 0}

    def by_the_patients_limits(patients, phantom):
        right, limits = Creep.solution(patients, phantom), _limits_of(patients[:8])
        return {**right, "cause": "none" if not right["week"] else "equipment" if _first_signal(phantom, limits) else "technique"}

    wrong_ways = {
        limits_of_all_weeks: "Your limits come from all weeks. The change that you look for widens them, and hides itself behind them: "
        "take them from the baseline alone.",
        two_standard_deviations: "Your limits are two standard deviations of the baseline. By that about one week in twenty lies outside "
        "by chance. The rule takes 2.66 mean moving ranges.",
        deviations_of_all_weeks: "Your limits come from mean and standard deviation of all weeks, those of the change among them. So "
        "they follow the change. Take the baseline alone, and its moving range.",
        two_deviations_by_numpy: "Your limits are two standard deviations of the baseline, as `np.std` has them. About one week in twenty "
        "lies outside of such limits by chance. The rule takes 2.66 mean moving ranges.",
        three_deviations_by_numpy: "Your limits are three standard deviations of the baseline, as `np.std` has them. A creep that has "
        "begun in the baseline widens them, and hides. The rule takes 2.66 mean moving ranges, which hardly see such a creep.",
        nine_weeks_of_baseline: "Your limits come from the first nine weeks. Python leaves out the end of a slice: `values[:8]` has the "
        "eight weeks with the places 0 to 7.",
        three_standard_deviations: "Your limits are three standard deviations of the baseline. A creep that has begun in the baseline "
        "widens them, and hides. The moving range looks at neighbouring weeks only, and so hardly sees the creep: 2.66 times its mean.",
        divided_by_eight: "You divided the sum of the differences by 8. Eight weeks have seven differences between them.",
        three_moving_ranges: "You took 3 mean moving ranges. Three **standard deviations** are meant by the rule, and 3 / 1.128 = 2.66 "
        "makes them of the mean moving range.",
        the_median_move: "You took the median of the differences. There are charts of that kind, with a factor of their own; this rule "
        "takes the mean.",
        four_weeks_of_baseline: "Your limits come from the first four weeks. The rule takes eight.",
        seven_weeks_of_baseline: "Your limits come from the first seven weeks. The rule takes eight; seven is the number of differences "
        "between them.",
        around_the_mean_of_all: "Your limits lie around the mean of all weeks. The change that you look for pulls it along: the centre is "
        "the mean of the baseline.",
        the_first_two_weeks_alone: "You look at weeks 9 and 10 alone. `return 0` stands inside the loop, so that it ends at its first "
        "turn: move it to the left, behind the loop.",
        beyond_the_last_week: "A place was asked for that the list does not have: the last week has no next. Eight weeks have seven "
        "differences, `range(7)`, and the search ends one week before the last, `range(8, len(values) - 1)`.",
        three_weeks_in_a_row: "You wait for three weeks in a row. The rule takes two.",
        one_week_of_the_phantom: "You take a single week of the phantom for a signal, and send a technician. The rule is the same for both "
        "lists: two weeks in a row, beyond the same limit.",
        the_phantom_without_the_patients: "You name the equipment where the patients' chart has no signal. The phantom may be watched for "
        "itself; here the rule says `none` then.",
        in_the_same_week: "You count a signal of the phantom only in the week of the patients' signal. Two charts with different limits "
        "seldom notice the same change in the same week: the rule says in any week.",
        not_after_the_patients: "You count a signal of the phantom only if it comes no later than that of the patients. Its chart may need "
        "longer: the rule says in any week.",
        not_before_the_patients: "You count a signal of the phantom only if it comes no earlier than that of the patients. It is often the "
        "phantom that notices first: the rule says in any week.",
        the_baseline_as_well: "You look for the signal in the baseline too. Its weeks made the limits and are not judged by them: "
        "from week 9 on, which is place 8.",
        from_week_eight: "You begin at week 8, which belongs to the baseline. Week 9 is place 8: `range(8, ...)`.",
        from_week_ten: "You begin at week 10. Python counts from 0, so that week 9 is place 8: `range(8, ...)`.",
        counted_after_the_baseline: "You count the weeks from the end of the baseline. The number of the week is that in `patients`, whose "
        "first week is 1.",
        the_lists_mixed_up: "You date the change by the phantom and look for its cause in the patients: the two lists are mixed up. "
        "`patients` comes first.",
        one_week_is_enough: "You take a single week for a signal. A holiday week with three difficult patients would then send a "
        "technician to the room. The rule wants two in a row.",
        above_alone: "You look for weeks above the upper limit alone. A plate that grows tired shows less and less: the lower limit counts "
        "as well.",
        on_either_side: "You take two weeks for a signal of which one is too high and the other too low. That is a restless unit, no "
        "shift: the rule says beyond the **same** limit.",
        around_the_target: "Your limits lie around a DI of 0, the target. A unit may run a little off its target all year without any "
        "change; the chart is around its own mean.",
        signs_kept: "You added up the differences with their signs. They cancel each other, and only the last minus the first is left; "
        "a moving range has no sign: `abs(...)`.",
        signs_kept_from_the_next: "You added up the differences with their signs. They cancel each other, and only the first minus the "
        "last is left; a moving range has no sign: `abs(...)`.",
        by_the_second_week: "You date the signal by the second of the two weeks, the one in which it was noticed. The rule dates it by "
        "the first: whoever looks for a cause must not start a week late.",
        from_zero: "Your week is one too low: Python counts places from 0, and the rule counts weeks from 1.",
        the_last_signal: "You return the last pair of weeks beyond a limit. When did it begin? Return at the first, and the loop ends "
        "there.",
        always_the_technique: "You name the technique whatever `phantom` says. If the constancy exposures, with the same settings every "
        "week, move as well, it is the tube, the plate or the reader that has changed, and not how people expose.",
        the_two_mixed_up: "Turn the causes round. Phantom steady, patients changed: tube, plate and reader are as they were, so it is "
        "what the phantom does not test, the technique. Phantom changed too: the equipment.",
        phantom_for_the_week: "You date the change by the phantom's chart. The phantom says what the cause is; the week is that of the "
        "patients' chart.",
        by_the_patients_limits: "You judge the phantom by the patients' limits. Its readings scatter far less: with limits so wide it "
        "never signals. Each list has a chart of its own.",
    }
    hints = [
        "Work on one list first, in a function of your own, `def first_signal(values):`. It takes `base = values[:8]`, its mean, and the "
        "sum of `abs(base[week + 1] - base[week])` for the seven weeks 0 to 6.",
        "Then `for week in range(8, len(values) - 1):` looks at a week and the next: are both above the upper limit?",
        "If so, `return week + 1`, which ends the loop at the first signal. The same for the lower limit. Behind the loop: `return 0`.",
        "In `creep` call it for `patients` and for `phantom`. Begin with `cause = \"technique\"`; a signal in `phantom` makes it the "
        "equipment; last, no signal in `patients` makes it none.",
    ]
    praise = "Two charts tell apart what one cannot. And the rule was there before the data: nobody can say that the limits were made " \
        "for the accused."

    def cases(draw):
        found = []
        for kind in _KINDS:
            while True:
                case = _weeks(draw, kind)
                if all(_is_clear(values) for values in case):
                    break
            found.append(case)
        draw.shuffle(found)
        return found


# What happens to the patients and to the phantom, each (baseline, {weeks: how far from the centre, where 1 is the limit}). Weeks are places
# from 0, (one,) or (first, after the last); "s" is one that is drawn for the case, "end" the length, 26 weeks but for those of _LENGTHS.
_QUIET, _UP = ("even", {}), ("even", {("s", "end"): 3})
_KINDS = {
    "steady": (_QUIET, _QUIET),
    "odd weeks": (("even", {("s",): 5, ("s+4",): -5, ("s+6",): 4}), ("even", {("s+1",): 3})),
    "restless": (("even", {("s",): 5, ("s+1",): -5}), _QUIET),
    "step": (_UP, _QUIET),
    "step down": (("even", {("s", "end"): -4}), _QUIET),
    "slow": (("even", {("s", "end"): "up"}), _QUIET),
    "slow, odd weeks of the phantom": (("even", {("s", "end"): "up"}), ("even", {("s+2",): 3, ("s+4",): -3})),
    "step, the phantom restless": (_UP, ("even", {("s+2",): 3, ("s+3",): -3})),
    "two weeks": (("even", {("s", "s+2"): 3}), _QUIET),
    "two weeks each": (("even", {("s", "s+2"): 3}), ("even", {("s+5", "s+7"): 3})),
    "both at once": (_UP, _UP),
    "both at once, opposite ways": (_UP, ("even", {("s", "end"): -3})),
    "the phantom later, down": (("even", {("s", "end"): -4}), ("even", {("s+2", "end"): -3})),
    "the phantom before": (("even", {("s+3", "end"): 3}), ("even", {("s", "s+2"): 3})),
    "the phantom alone": (_QUIET, _UP),
    "week nine": (("even", {(8,): 9, (9, "end"): 2.5}), _QUIET),
    "weeks nine and ten of the phantom": (_UP, ("even", {(8,): -9, (9,): -2.5})),
    "the last week": (("even", {(25,): 4}), ("even", {(25,): 3})),
    "the last week, down": (("even", {(25,): -4}), _QUIET),
    "the last two weeks": (("even", {(24, 26): 3}), _QUIET),
    "the last two weeks, down": (("even", {(24, 26): -3}), _QUIET),
    "step, the phantom's last week": (_UP, ("even", {(25,): -3})),
    "step, the phantom's last two weeks": (_UP, ("even", {(24, 26): 3})),
    "a long list": (("even", {(38, 40): 3}), _QUIET),
    "a long list, the phantom at its end": (_UP, ("even", {(38, 40): -3})),
    "a short list": (("even", {(9, 11): -3}), ("even", {(9, 11): 3})),
    "back again": (("even", {("s", "s+4"): 4, ("s+7", "s+9"): -3}), _QUIET),
    "down, then up": (("even", {("s", "s+3"): -3, ("s+5", "end"): 3}), _QUIET),
    "inside by little": (("even", {("s", "s+3"): 0.94}), ("even", {("s", "s+3"): 0.94})),
    "inside by very little": (("even", {("s", "s+3"): 0.985}), _QUIET),
    "outside by very little": (("even", {("s", "s+3"): 1.015}), _QUIET),
    "inside": (("even", {("s", "s+3"): 0.81}), _QUIET),
    "between the two kinds of standard deviation, twice": (("even", {("s", "s+3"): "2 s"}), _QUIET),
    "between the two kinds of standard deviation, three times": (("even", {("s", "s+3"): "3 s"}), _QUIET),
    "outside by little": (("even", {("s", "s+3"): 1.06}), _QUIET),
    "step, the phantom inside": (_UP, ("even", {("s", "s+3"): -0.81})),
    "step, the phantom inside by very little": (_UP, ("even", {("s", "s+3"): 0.985})),
    "step, the phantom outside by very little": (_UP, ("even", {("s", "s+3"): 1.015})),
    "step, the phantom outside by little": (_UP, ("even", {("s", "s+3"): 1.06})),
    "off target": (("off", {("s", "end"): 3}), _QUIET),
    "step, the phantom off target": (_UP, ("off", {})),
    "step, odd weeks of the phantom, all high": (_UP, ("even", {("s",): 9, ("s+2",): 9, ("s+4",): 9})),
    "odd week of the baseline": (("odd", {("s", "end"): 1.5}), _QUIET),
    "odd week of the baseline, inside": (("odd", {("s", "s+3"): 0.98}), _QUIET),
    "step, odd week of the phantom's baseline": (_UP, ("odd", {("s", "s+3"): 0.98})),
    "a step in the baseline": (("step", {("s", "end"): -3}), _QUIET),
    "step, and one in the phantom's baseline": (_UP, ("step", {})),
    "step, and one in the phantom's baseline, later again": (_UP, ("step", {("s", "s+3"): 1.3})),
    "week eight": (("late", {(8,): 1.6}), _QUIET),
    "step, week eight of the phantom": (_UP, ("late", {(8,): 1.6})),
    "a creep in the baseline": (("creep", {("s", "end"): 1.6}), _QUIET),
    "step, a creep in the phantom's baseline": (_UP, ("creep", {("s", "end"): 1.3})),
    "up and down in the baseline": (("zigzag", {("s", "s+4"): 0.75}), _QUIET),
}
_LENGTHS = {"a long list": 40, "a long list, the phantom at its end": 40, "a short list": 11}


def _weeks(draw, kind):
    """(patients, phantom) of a case: DI rounded to three places for the patients, four for the phantom, which scatters far less."""
    start, length = draw.randint(11, 15), _LENGTHS.get(kind, 26)
    return tuple(_went_on(draw, _baseline(draw, shape, scatter), start, length, happened, places)
                 for (shape, happened), scatter, places in zip(_KINDS[kind], (1.0, 0.15), (3, 4)))


def _baseline(draw, shape, scatter):
    """The first eight weeks; for `scatter` 1 they lie within 0.2 of their centre."""
    centre = draw.choice((-0.9, 0.9)) if shape == "off" else draw.uniform(-0.2, 0.2)
    base = [draw.uniform(-0.2, 0.2) for _ in range(8)]
    if shape == "odd":
        base[3] += 1.0
    if shape == "step":
        base = [draw.uniform(-0.02, 0.02) for _ in range(6)] + [0.6] * 2
    if shape == "late":
        base[7] = 1.5
    if shape == "creep":
        base = [0.1 * week + draw.uniform(-0.01, 0.01) for week in range(8)]
    if shape == "zigzag":
        base = [draw.uniform(0.19, 0.21) * (-1) ** week for week in range(8)]
    return [scatter * (centre + one) for one in base]


def _went_on(draw, base, start, length, happened, places):
    """The eight weeks of a baseline and those after it, of which some lie where `happened` puts them."""
    def week(said):
        return said if isinstance(said, int) else length if said == "end" else start + int(said[1:] or 0)

    values = [round(one, places) for one in base]
    low, high = _limits_of(values)
    mean, spread = (low + high) / 2, (high - low) / 2
    values += [mean + draw.uniform(-0.5, 0.5) * spread for _ in range(8, length)]
    for (first, *last), far in happened.items():
        for place in range(week(first), week(last[0]) if last else week(first) + 1):
            if far in ("2 s", "3 s"):                       # divided by 8, and by 7: the latter is larger by 7 %
                by = 1.035 * int(far[0]) * float(np.std(values[:8])) / spread
            else:
                by = 0.45 * (place - start + 1) if far == "up" else far * (1 if abs(far) < 2 else draw.uniform(0.9, 1.1))
            values[place] = mean + by * spread
    return [round(one, places) for one in values]


def _is_clear(values):
    """Whether no week lies so near to a limit that rounding the factor 2.66 decides (3 / 1.128 is 2.6596)."""
    low, high = _limits_of(values[:8])
    return all(abs(one - limit) > 0.002 * (high - low) for limit in (low, high) for one in values[8:])
