"""What learners give in lesson cpsa-02 beyond the solutions and wrong ways, and the data that they are asked about."""

import datetime
import math
import re
from collections import Counter

import numpy
import pandas
import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.errors import CourseError
from coursekit.hospital import hospital, logs
from coursekit.lessons.cpsa_02_reject_analysis import (
    ACCUSED, ELSEWHERE, FOUND, KINDS, PEOPLE, QUARTERS, TRUTH, USUAL, VOCABULARY, CaseMix, Department, SiteReason, ThePolicy, WhoDiffers,
    WilsonInterval, beyond, drawn, lesson, others, policy_of, rates, run_policy)

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}
POLICY = ThePolicy.solution()


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"), lambda: [hospital(201, "tiny")])


@pytest.fixture(scope="module")
def shown():
    """The edition that learners see: in the mammography room of a tiny one hardly anything is rejected."""
    return Editions(hospital(0), lambda: [])


def judged(name, editions, *given):
    return EXERCISES[name].judge(given, editions)


def solved(name, editions):
    return EXERCISES[name].computed(EXERCISES[name].solution, editions.own)


# --- 1: reasons

def test_reasons_by_other_programs_are_right(editions):
    def with_returns(vendor, text):
        text = text.strip().lower()
        if vendor in ("helio", "orbis"):
            return VOCABULARY[vendor].get(text, "other")
        for word in text.split():
            for beginning, reason in VOCABULARY["marlin"].items():
                if word.startswith(beginning):
                    return reason
        return "other"

    def by_pattern(vendor, text):
        words = VOCABULARY[vendor]
        if vendor != "marlin":
            return words.get(text.strip().casefold(), "Other")
        found = re.search(r"(?i)(?:^|\s)(" + "|".join(map(re.escape, words)) + ")", text)
        return words[found[1].lower()].upper() if found else "other "

    def entries_first(vendor, text):                # looks where in the text each entry stands
        text = " " + text.strip().lower()
        hits = [(text.index(" " + one), reason) for one, reason in VOCABULARY[vendor].items() if " " + one in text]
        if vendor != "marlin":
            return VOCABULARY[vendor].get(text[1:], "other")
        return min(hits)[1] if hits else "other"

    for function in (with_returns, by_pattern, entries_first, lambda vendor, text: [with_returns(vendor, text)]):
        assert judged("SiteReason", editions, function).correct


def test_wrong_reasons_are_told(editions):
    def positioning_else(vendor, text):
        reason = SiteReason.solution(vendor, text)
        return "positioning" if reason == "other" else reason

    def empty_is_test(vendor, text):
        return "test" if not text.strip() else SiteReason.solution(vendor, text)

    for function in (positioning_else, empty_is_test, lambda vendor, text: text, lambda vendor, text: 5, lambda vendor, text: "other"):
        assert judged("SiteReason", editions, function).outcome is Outcome.NOT_YET
    assert "return" in judged("SiteReason", editions, lambda vendor, text: print(text)).message

    def entry_by_entry(vendor, text):
        for beginning, reason in VOCABULARY[vendor].items():
            for word in text.lower().split():
                if (word.startswith(beginning) if vendor == "marlin" else text.strip().lower() == beginning):
                    return reason
        return "other"

    def begins(vendor, text):
        return next((reason for one, reason in VOCABULARY[vendor].items() if text.strip().lower().startswith(one)), "other") \
            if vendor == "orbis" else SiteReason.solution(vendor, text)

    assert judged("SiteReason", editions, entry_by_entry).label == "order_of_the_vocabulary"
    assert judged("SiteReason", editions, begins).label == "codes_by_their_beginning"
    assert judged("SiteReason", editions, lambda vendor, text: VOCABULARY[vendor][text]).outcome is Outcome.NOT_YET


def test_the_vocabulary_reads_every_reason_that_a_vendor_writes():
    for reason in logs.REASONS:
        assert SiteReason.solution("helio", logs.HELIO[reason]) == reason
        assert SiteReason.solution("orbis", str(logs.ORBIS[reason])) == reason
        assert {SiteReason.solution("marlin", text) for text in logs.MARLIN[reason]} == {reason}


def test_what_is_told_of_a_reason_fits_it(editions):
    words = VOCABULARY["marlin"]

    def gives_up(vendor, text, behind="other"):
        text = text.strip().lower()
        if vendor != "marlin":
            return VOCABULARY[vendor].get(text, "other")
        for word in text.split():
            for beginning in words:
                if word.startswith(beginning):
                    return words[beginning]
                else:
                    return "other"
        return behind

    assert judged("SiteReason", editions, gives_up).label == "gives_up_at_once"
    said = judged("SiteReason", editions, lambda vendor, text: gives_up(vendor, text, None)).message
    assert "Nothing stands in this text" in said and "loop" in said
    for way in ("words_by_their_beginning", "blanks_count", "motion_before_patients"):
        assert judged("SiteReason", editions, getattr(SiteReason, way)).label == way
    american = judged("SiteReason", editions, lambda vendor, text: SiteReason.solution(vendor, text).replace("artefact", "artifact"))
    assert "The hospital writes *artefact*" in american.message
    assert SiteReason.solution("marlin", "patient moved") == "motion"          # the commonest of all free texts
    assert SiteReason.solution("marlin", "Wrong pat.") == "patient identification"


def test_words_stand_between_blanks_and_codes_are_whole(editions):
    def letters_only(vendor, text):
        text = text.strip().lower()
        if vendor != "marlin":
            return VOCABULARY[vendor].get(text, "other")
        return next((reason for word in re.findall(r"[a-z.]+", text) for one, reason in VOCABULARY["marlin"].items()
                     if word.startswith(one)), "other")

    def numbers(vendor, text):
        return SiteReason.solution(vendor, str(int(text)) if vendor == "orbis" and text.strip().isdigit() else text)

    said = judged("SiteReason", editions, letters_only)
    assert said.outcome is Outcome.NOT_YET and "one word" in said.message
    assert judged("SiteReason", editions, numbers).outcome is Outcome.NOT_YET


def test_capitals_of_marlin_and_empty_text_are_told(editions):
    def marlin_as_typed(vendor, text):
        return SiteReason.case_forgotten(vendor, text) if vendor == "marlin" else SiteReason.solution(vendor, text)

    assert "Case does not matter for marlin" in judged("SiteReason", editions, marlin_as_typed).message
    empty = judged("SiteReason", editions, lambda vendor, text: SiteReason.solution(vendor, text) if text.strip() else "")
    assert 'blank text too, is `"other"`' in empty.message


# --- 2: rates

def test_the_log_holds_what_the_exposures_say(editions):
    log = lesson.input_of("log", editions.own)
    truth = Counter((one.device, one.reason,
                     "repeat" if one.repeat_sent else "reject") for one in editions.own.logs.exposures if not one.kept)
    assert Counter(zip(log["room"], log["reason"], log["action"])) == truth
    assert log[log["room"] != "CR_ER1"]["ei"].notna().all() and log[log["room"] == "CR_ER1"]["ei"].isna().all()


def test_rates_in_other_forms_are_right(editions):
    percent = solved("RejectRates", editions)
    right = pandas.DataFrame(percent.items(), columns=["room", "percent"])
    forms = [
        right.set_index("room"), right.set_index("room")["percent"], percent,
        [(room.lower(), round(one, 2)) for room, one in percent.items()],
        right.assign(percent=[f"{one:.2f} %" for one in right["percent"]]), right.iloc[::-1].assign(images=1),
        [{"Room": room, "Percent": numpy.float32(one)} for room, one in percent.items()],
    ]
    for given in forms:
        assert judged("RejectRates", editions, given).correct, given


def test_wrong_rates_are_told_by_their_definition(shown):
    percent = solved("RejectRates", shown)
    right = pandas.DataFrame(percent.items(), columns=["room", "percent"])
    log, images, notes = (lesson.input_of(name, shown.own) for name in ("log", "archive_images", "notes"))

    def told(**how):
        verdict = judged("RejectRates", shown, rates(log, images, notes, **how))
        assert verdict.outcome is Outcome.NOT_YET, how
        return verdict.message

    assert "counts as a reject" in told(repeats="reject") and "archive's images" not in told(repeats="reject")
    assert "once more" in told(repeats="below") and "taken off" in told(repeats="off") and "added below" in told(repeats="both")
    both = told(tests="yes", below="images")
    assert "tests of the equipment count" in both and "archive's images" in both
    assert "withdrawn" in told(codes=(), below="images")
    safety = told(codes=("113001", "113037"))
    assert "patient safety" in safety and "archive's images" not in safety and "no image counts" not in safety
    assert "all three titles" in told(codes=("113001", "113037", "113038"))
    assert "wrong worklist entries" in told(codes=("113001", "113038"))
    only = told(codes=("113038",))
    assert "no image counts that was withdrawn for quality" in only and "wrong worklist entry counts" in only
    assert "not among your exposures" in told(tests="above") and "not among your rejects" in told(tests="below")
    rejects = {room: one * sum(log["room"] == room) for room, one in percent.items()}
    counts = {room: int(((log["room"] == room) & (log["reason"] != "test") & (log["action"] == "reject")).sum()
                        + ((notes["room"] == room) & (notes["code"] == "113001")).sum()) for room in rejects}
    assert judged("RejectRates", shown, counts).message.startswith("These are the rejects themselves")
    assert "taken off below" in told(below="misfiled") and "take the withdrawn images off" in told(below="less")
    # What no definition explains is told by no definition, and one room alone never is.
    assert judged("RejectRates", shown, right.assign(percent=1.0)).message.startswith("None of the three is right. Print")
    assert "*patient identification* are left out" in told(without="patient identification")
    assert "*other* are left out" in told(without="other") and "safety or for a wrong entry" in told(below="unsafe")
    slip = {}
    for room, one in zip(images["room"], images["images"], strict=True):
        rejected = int(((log["room"] == room) & (log["reason"] != "test") & (log["action"] == "reject")).sum())
        slip[room] = 100 * (rejected + ((notes["room"] == room) & (notes["code"] == "113001")).sum()) / one + rejected
    assert judged("RejectRates", shown, slip).message.startswith("Parentheses are missing")
    wrong = rates(log, images, notes, tests="yes")
    assert judged("RejectRates", shown, {**percent, "CR_ER1": wrong["CR_ER1"]}).message == "2 of 3 are right. `CR_ER1` is not right."
    assert "one decimal" in judged("RejectRates", shown, right.round(1)).message
    assert judged("RejectRates", shown, right.iloc[:2]).outcome is Outcome.NOT_YET
    assert judged("RejectRates", shown, 12.5).outcome is Outcome.NOT_YET
    assert judged("RejectRates", shown, right.assign(percent="about 12")).outcome is Outcome.NOT_YET
    assert judged("RejectRates", shown, {"DX_CH1": 1, "CR_ER1": None, "MG1": True}).outcome is Outcome.NOT_YET
    # The console's and the archive's views differ much, on the edition that is shown.
    assert right["percent"].min() < 3 and 11 < right["percent"].max() < 15


# --- 3: intervals

def test_intervals_in_other_forms_are_right(editions):
    def roots(x, n):                                           # the formula as the roots of a quadratic equation
        if n == 0:
            return {"low": 0.0, "high": 1.0}
        z, p = 1.959964, x / n
        a, b, c = 1 + z * z / n, -(2 * p + z * z / n), p * p
        root = math.sqrt(max(0, b * b - 4 * a * c))
        return {"low": (-b - root) / (2 * a), "high": (-b + root) / (2 * a)}

    right = WilsonInterval.solution
    forms = (roots, lambda x, n: list(right(x, n)), lambda x, n: numpy.array(right(x, n)),
             lambda x, n: tuple(round(one, 3) for one in right(x, n)),
             lambda rejects, exposures: pandas.Series({"high": right(rejects, exposures)[1], "low": right(rejects, exposures)[0]}))
    for function in forms:
        assert judged("WilsonInterval", editions, function).correct


@pytest.mark.parametrize(("expression", "label"), [
    ("(p + z**2/2*n - z*(p*(1-p)/n + z**2/4*n**2)**0.5)/(1+z**2/n), (p + z**2/2*n + z*(p*(1-p)/n + z**2/4*n**2)**0.5)/(1+z**2/n)",
     "no_parentheses"),
    ("(m - h05)/d, (m + h05)/d", "half_in_place_of_the_root"),
    ("100*(m - h)/d, 100*(m + h)/d", "in_percent_but_for_nothing"),
    ("(m - (p*(1-p)/n + z**2/(4*n**2))**0.5)/d, (m + (p*(1-p)/n + z**2/(4*n**2))**0.5)/d", "root_without_z"),
    ("(m - h0)/d, (m + h0)/d", "no_root"), ("(m2 - h2)/d2, (m2 + h2)/d2", "times_two"),
    ("(m2 - h)/d, (m2 + h)/d", "times_two_in_the_middle"),
    ("(m - h2)/d, (m + h2)/d", "times_two_under_the_root"), ("round((m - h)/d, 2), round((m + h)/d, 2)", "two_decimals"),
    ("m - h/d, m + h/d", "only_the_half_divided"), ("(m + h)/d, (m - h)/d", "high_first"),
    ("(m - z*(p*(1-p)/n + z**2/(4*n)**2)**0.5)/d, (m + z*(p*(1-p)/n + z**2/(4*n)**2)**0.5)/d", "four_n_squared")])
def test_slips_in_the_formula_are_named(editions, expression, label):
    def function(x, n):
        if n == 0:
            return 0, 1
        p, z = x / n, 1.96
        names = {"p": p, "z": z, "n": n, "m": p + z**2 / (2 * n), "h": z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 0.5, "d": 1 + z**2 / n}
        names["h05"] = z * (p * (1 - p) / n + z**2 / (4 * n**2)) ** 1/2
        names |= {"m2": p + z * 2 / (2 * n), "h2": z * (p * (1 - p) / n + z * 2 / (4 * n**2)) ** 0.5, "d2": 1 + z * 2 / n,
                  "h0": z * (p * (1 - p) / n + z**2 / (4 * n**2)), "round": round}
        return eval(expression, {}, names)

    assert judged("WilsonInterval", editions, function).label == label


def test_wrong_intervals_are_told(editions):
    right = WilsonInterval.solution
    wrong = (lambda x, n: right(n, x) if x else (0, 1), lambda x, n: right(x, n + x), lambda x, n: right(x, n)[0],
             lambda x, n: (x / n if n else 0,) * 2, lambda x, n: f"{right(x, n)}",
             lambda x, n: right(x, n) if n > 3 else (0, 1),
             *(lambda x, n, z=z: WilsonInterval._squares(x, n, lambda _: z * z) for z in (1.95, 1.98)))
    for function in wrong:
        assert judged("WilsonInterval", editions, function).outcome is Outcome.NOT_YET
    said = judged("WilsonInterval", editions, lambda x, n: right(x, n + x)).message
    assert "for 2 of 10" in said and right(2, 10) == pytest.approx((0.057, 0.510), abs=5e-4)      # as the question and the message say
    assert [0.2 + 1.96**2 / 20, 1 + 1.96**2 / 10, 1.96 * (0.016 + 1.96**2 / 400) ** 0.5] == pytest.approx([0.392, 1.384, 0.314], abs=5e-4)
    low, high = right(60, 217)
    assert low == pytest.approx(0.2213, abs=2e-4) and high == pytest.approx(0.3395, abs=2e-4)


# --- 4: who differs

def test_verdicts_by_other_programs_are_right(editions):
    def with_pandas(rows):
        table = pandas.DataFrame(rows, columns=["name", "n", "x"])
        p = table.x.sum() / table.n.sum()
        z = (table.x - p * table.n) / (table.n * p * (1 - p)) ** 0.5
        table["verdict"] = numpy.where(z > 3, "HIGH", numpy.where(z < -3, "low", "As expected"))
        return table.drop_duplicates()[["name", "verdict"]]

    def numbers(rows):
        p = sum(row[2] for row in rows) / sum(row[1] for row in rows)
        return [(name, "high" if x > n * p + 3 * math.sqrt(n * p * (1 - p)) else "low" if x < n * p - 3 * math.sqrt(n * p * (1 - p))
                 else "as expected") for name, n, x in rows]

    for function in (with_pandas, numbers, lambda rows: pandas.Series(WhoDiffers.solution(rows)),
                     lambda rows: dict(sorted(WhoDiffers.solution(rows).items())),
                     lambda rows: {name: one.replace(" ", "_").upper() for name, one in WhoDiffers.solution(rows).items()}):
        assert judged("WhoDiffers", editions, function).correct


def test_wrong_verdicts_are_told(editions):
    right = WhoDiffers.solution
    wrong = (lambda rows: {name: one for name, one in right(rows).items() if one != "as expected"}, lambda rows: list(right(rows)),
             lambda rows: dict.fromkeys(right(rows), "as expected"),
             lambda rows: {name: one == "high" for name, one in right(rows).items()},
             lambda rows: {name: "high" if one == "low" else "low" if one == "high" else one for name, one in right(rows).items()},
             lambda rows: {name: right(rows)[name] if n >= 6 else "as expected" for name, n, x in rows},
             lambda rows: {name: right(rows)[name] if n >= 12 else "as expected" for name, n, x in rows},
             lambda rows: {name: "low" if x / n < 0.03 else "high" if x / n > 0.17 else "as expected" for name, n, x in rows})
    for function in wrong:
        assert judged("WhoDiffers", editions, function).outcome is Outcome.NOT_YET


def test_on_a_limit_is_not_beyond_it(editions):
    def reached(rows):
        p, found = sum(x for *_, x in rows) / sum(n for _, n, _ in rows), {}
        for name, n, x in rows:
            spread = 3 * (p * (1 - p) / n) ** 0.5
            found[name] = "high" if x / n >= p + spread else "low" if x / n <= p - spread else "as expected"
        return found

    assert "exactly on a limit" in judged("WhoDiffers", editions, reached).message
    # Other ways to reckon the limits agree there to the last bit.
    rows = EXERCISES["WhoDiffers"].cases_on(editions.own)[-1][0]
    p = sum(x for *_, x in rows) / sum(n for _, n, _ in rows)
    beyond_it = {name: one for name, one in WhoDiffers.solution(rows).items() if one != "as expected"}
    assert p == 0.5 and beyond_it == {"T23": "high", "T24": "low"}


def test_slips_in_the_conditions_are_told_as_such(shown):
    def two_ifs(rows, low_first=False):
        p, found = sum(x for *_, x in rows) / sum(n for _, n, _ in rows), {}
        for name, n, x in rows:
            spread = 3 * (p * (1 - p) / n) ** 0.5
            tests = [(x / n > p + spread, "high"), (x / n < p - spread, "low")]
            if low_first:
                tests = tests[::-1]
            if tests[0][0]:
                found[name] = tests[0][1]
            if tests[1][0]:
                found[name] = tests[1][1]
            else:
                found[name] = "as expected"
        return found

    assert judged("WhoDiffers", shown, two_ifs).label == "never_high"
    assert "`elif`" in judged("WhoDiffers", shown, lambda rows: two_ifs(rows, True)).message
    assert judged("WhoDiffers", shown, WhoDiffers.sides_swapped).label == "sides_swapped"
    only = judged("WhoDiffers", shown, lambda rows: {
        name: one for name, one in WhoDiffers.solution(rows).items() if one != "as expected"})
    assert "as expected too" in only.message
    said = judged("WhoDiffers", shown, _by(sd=3.2)).message
    assert " in your dictionary: " in said and "look at your conditions" in said


def test_an_empty_dictionary_of_verdicts_is_told(editions):
    assert "Each one gets a verdict" in judged("WhoDiffers", editions, lambda rows: {}).message


def _by(p=None, sd=3, digits=9):
    def function(rows):
        middle = p or sum(row[2] for row in rows) / sum(row[1] for row in rows)
        spread = {name: sd * (middle * (1 - middle) / n) ** 0.5 for name, n, _ in rows}
        return {name: "high" if x / n > round(middle + spread[name], digits) else "low" if x / n < round(middle - spread[name], digits)
                else "as expected" for name, n, x in rows}
    return function


@pytest.mark.parametrize("how", [{"p": 0.116}, {"p": 0.11}, {"p": 0.115}, {"p": 0.1155}, {"sd": 3.2}, {"sd": 3.09}, {"sd": 2.95},
                                 {"digits": 2}])
def test_a_middle_from_elsewhere_and_other_limits_are_refused(editions, how):
    assert judged("WhoDiffers", editions, _by()).correct
    said = judged("WhoDiffers", editions, _by(**how))
    assert said.outcome is Outcome.NOT_YET and "is not right" in said.message and "rejects of" in said.message


def test_slips_in_the_limits_are_named(shown):
    def in_percent(rows):
        p, found = 100 * sum(row[2] for row in rows) / sum(row[1] for row in rows), {}
        for name, n, x in rows:
            spread = 3 * (p * (1 - p) / n) ** 0.5
            found[name] = "high" if 100 * x / n > p + spread else "low" if 100 * x / n < p - spread else "as expected"
        return found

    def swapped(rows):
        return WhoDiffers.solution([(name, x, n) for name, n, x in rows])

    for function in (in_percent, swapped):
        assert judged("WhoDiffers", shown, function).label == "below_zero_under_the_root"
    for way in ("one_minus_p_forgotten", "no_root", "exposures_of_all_in_the_limits", "interval_of_95_percent"):
        assert judged("WhoDiffers", shown, getattr(WhoDiffers, way)).label == way
    first = judged("WhoDiffers", shown, lambda rows: dict([next(iter(WhoDiffers.solution(rows).items()))]))
    assert "`return` stands behind the loop" in first.message


def test_verdicts_have_their_words(editions):
    for word in ("expected", "normal", "ok"):
        said = judged("WhoDiffers", editions, lambda rows, word=word: {
            name: word if one == "as expected" else one for name, one in WhoDiffers.solution(rows).items()})
        assert '"as expected", in these words' in said.message


def test_on_the_shown_edition_two_differ(shown):
    rows = lesson.input_of("technologists", shown.own)
    verdicts = WhoDiffers.solution(rows)
    assert sorted(one for one in verdicts.values() if one != "as expected") == ["high", "low"]


# --- 5: case mix

def test_ratios_in_other_forms_are_right(editions):
    def with_transform(table):
        rate = table.groupby("body_part")["rejects"].transform("sum") / table.groupby("body_part")["exposures"].transform("sum")
        sums = table.assign(expected=table["exposures"] * rate).groupby("technologist")[["rejects", "expected"]].sum()
        return (sums["rejects"] / sums["expected"]).rename("ratio").reset_index()

    def with_loops(table):
        made, broken, expected, observed = {}, {}, {}, {}
        for _, row in table.iterrows():
            made[row.body_part] = made.get(row.body_part, 0) + row.exposures
            broken[row.body_part] = broken.get(row.body_part, 0) + row.rejects
        for _, row in table.iterrows():
            share = broken[row.body_part] / made[row.body_part]
            expected[row.technologist] = expected.get(row.technologist, 0) + share * row.exposures
            observed[row.technologist] = observed.get(row.technologist, 0) + row.rejects
        return {name: round(observed[name] / expected[name], 2) for name in expected}

    for function in (with_transform, with_loops, lambda table: pandas.Series(CaseMix.solution(table)),
                     lambda table: with_transform(table).set_index("technologist"), lambda table: list(CaseMix.solution(table).items()),
                     lambda table: {name: f"{one:.2f}".replace(".", ",") for name, one in CaseMix.solution(table).items()},
                     lambda table: {name: f"{one:.2f} x" for name, one in CaseMix.solution(table).items()}):
        assert judged("CaseMix", editions, function).correct


def test_wrong_ratios_are_told(editions):
    right = CaseMix.solution
    wrong = (lambda table: list(right(table).values()), lambda table: dict.fromkeys(right(table), 1.0), lambda table: table,
             lambda table: {name: ratio for name, ratio in right(table).items() if ratio > 1},
             lambda table: table.groupby("technologist")["rejects"].sum() / table.groupby("technologist")["exposures"].sum())
    for function in wrong:
        assert judged("CaseMix", editions, function).outcome is Outcome.NOT_YET
    for way in ("expected_only", "by_rates_in_percent"):
        assert judged("CaseMix", editions, getattr(CaseMix, way)).label == way
    said = judged("CaseMix", editions, lambda table: {name: 1.1 * one for name, one in right(table).items()}).message
    assert "`T1` has" in said and "HIP" in said


def test_every_row_counts(editions):
    right = CaseMix.solution

    def over(table):
        found = pandas.Series(right(table))
        return found[found > 0]

    for function in (lambda table: right(table[table["rejects"] > 0]), over, lambda table: right(table[table["exposures"] >= 5]),
                     lambda table: right(table[table["exposures"] >= 3]),
                     lambda table: right(table.drop_duplicates(["technologist", "body_part"]))):
        assert judged("CaseMix", editions, function).outcome is Outcome.NOT_YET
    assert "`T5` is missing" in judged("CaseMix", editions, over).message


def test_ratios_that_were_rounded_too_early_are_told(editions):
    def rounded(table, rate=9, expected=9):
        rates, seen, wanted = table.groupby("body_part")[["exposures", "rejects"]].sum(), {}, {}
        rates = (rates["rejects"] / rates["exposures"]).round(rate)
        for name, part, n, x in table.itertuples(index=False):
            seen[name], wanted[name] = seen.get(name, 0) + x, wanted.get(name, 0) + round(n * rates[part], expected)
        return {name: seen[name] / wanted[name] for name in seen}

    assert judged("CaseMix", editions, rounded).correct
    for how in ({"rate": 3}, {"rate": 2}, {"expected": 0}):
        assert judged("CaseMix", editions, lambda table, how=how: rounded(table, **how)).outcome is Outcome.NOT_YET
    said = judged("CaseMix", editions, lambda table: rounded(table, 3)).message
    assert "rounded on the way" in said and "in what you return" in said


def test_observed_and_expected_the_wrong_way_round_are_told_with_a_ratio_of_zero(editions):
    def upside_down(table):
        ratios = pandas.Series(CaseMix.solution(table))
        return 1 / ratios

    assert judged("CaseMix", editions, upside_down).label == "upside_down"


def test_a_merge_of_the_whole_parts_is_explained(editions):
    def merged(table):
        parts = table.groupby("body_part", as_index=False)[["exposures", "rejects"]].sum()
        parts["rate"] = parts["rejects"] / parts["exposures"]
        joined = table.merge(parts, on="body_part")
        return joined["exposures"] * joined["rate"]

    verdict = judged("CaseMix", editions, merged)
    assert verdict.label == "merged_whole" and "`exposures_x`" in verdict.message and "KeyError" in verdict.message


def test_simpson_is_there_in_each_body_part():
    for seed in range(8):
        table = lesson.input_of("last_year", hospital(seed, "tiny"))
        share = table.assign(share=table["rejects"] / table["exposures"]).pivot(index="body_part", columns="technologist", values="share")
        assert (share["A"] < share["B"]).all()
        sums = table.groupby("technologist")[["exposures", "rejects"]].sum()
        crude = sums["rejects"] / sums["exposures"]
        assert crude["A"] > crude["B"] + 0.005
        # The exercise's own function, on this very table, says what the lesson says.
        ratio = CaseMix.solution(table)
        assert ratio["B"] > 1.4 and 0.85 < ratio["A"] < 1.1
        both = lesson.input_of("last_year_ratios", hospital(seed, "tiny")).set_index("technologist")["standardised"]
        assert both["A"] == round(ratio["A"], 2) and both["B"] == round(ratio["B"], 2)
        assert CaseMix.solution(Department(seed).table())


# --- 6: months

def test_months_in_other_forms_are_right(editions):
    right = solved("MonthsBeyond", editions)
    dates = [datetime.date(2024, int(one[-2:]), 1) for one in right]
    names = ["January", "Feb", "March", "April", "May", "june", "July", "August", "Sept", "OCT", "November", "Dec."]
    forms = [right[::-1], set(right), ", ".join(right), tuple(dates), pandas.Series(right), [f"{one:%m/%Y}" for one in dates],
             [names[one.month - 1] for one in dates], [one.month for one in dates], pandas.to_datetime(pandas.Series(dates)),
             numpy.array(right), [f"{one:%b %Y}" for one in dates], [f"{one:%Y%m}" for one in dates]]
    returns = lesson.input_of("returns", editions.own)
    forms += [returns[returns["month"].isin(right)], returns[returns["month"].isin(right)].set_index("exposures")]
    for given in forms:
        assert judged("MonthsBeyond", editions, given).correct, given


def test_wrong_months_are_told(editions):
    right = solved("MonthsBeyond", editions)
    for given in (right[:-1], right + ["2024-07"], [one.replace("2024", "2023") for one in right], [], "none", ["2024-13"], right[0]):
        assert judged("MonthsBeyond", editions, given).outcome is Outcome.NOT_YET, given


def test_months_of_one_digit_are_told(editions):
    late = [one for one in solved("MonthsBeyond", editions) if one >= "2024-10"]
    assert late and '`"2024-7"` is no month' in judged("MonthsBeyond", editions, late).message
    assert '"2024-7"' not in judged("MonthsBeyond", editions, late[:-1]).message


def test_the_seasons_of_the_baseline_lie_inside_their_limits(shown):
    """What the picture in part 6 shows, and the text says of it."""
    returns = lesson.input_of("returns", shown.own)
    for month in range(1, 13):
        both = returns[returns["month"].isin([f"2022-{month:02d}", f"2023-{month:02d}"])]
        p = both["rejects"].sum() / both["exposures"].sum()
        assert (abs(both["rejects"] / both["exposures"] - p) < 3 * (p * (1 - p) / both["exposures"]) ** 0.5).all()


def test_wrong_comparisons_give_other_months():
    ways = {"2022": "only_two_years_before", "2023": "only_the_year_before", "mean": "mean_of_two_shares"}
    for seed in range(8):
        editions = Editions(hospital(seed, "tiny"), lambda: [])
        returns, right = lesson.input_of("returns", editions.own), solved("MonthsBeyond", editions)
        found = {expected: beyond(returns, expected=expected) for expected in ways}
        found |= {"size_of_the_past": beyond(returns, size="past"), "own_share_in_the_limits": beyond(returns, sides="own")}
        assert all(sorted(months) != sorted(right) for months in found.values())
        for expected, months in found.items():
            assert judged("MonthsBeyond", editions, months).label == ways.get(expected, expected)
        # Only what is below: either mistake leads there, and the message says so.
        below = [one for one in right if one < "2024-07"]
        assert len(below) == 1 and judged("MonthsBeyond", editions, below).message.startswith("You have what is far below")
        assert not {"2024-07", "2024-08"} & set(right)


# --- 7: kerma

def test_kerma_in_other_forms_is_right(editions):
    right = solved("WastedKerma", editions)
    for given in (round(right, 1), f"{right:.1f} µGy", f"{right:.2f}", numpy.float64(right), [right], pandas.Series([right]),
                  f"{right:.1f} uGy", f"{right:.1f}uGy", f"{right:.1f} \u03bcGy", f"{right:.1f} microgray", f"{right / 1000:.4f} mGy",
                  f"{right:.1f} micrograys".replace(".", ","), f"{right / 1e6:.7f} Gy"):
        assert judged("WastedKerma", editions, given).correct, given
    for given in (right + 0.2, right * 1000, right / 1000, -right, "some", right / 2, f"{right:.1f} mGy", f"{right:.1f} mGy/s",
                  f"{right} kg"):
        assert judged("WastedKerma", editions, given).outcome is Outcome.NOT_YET, given


def test_the_room_counts(shown):
    log = lesson.input_of("log", shown.own)
    verdict = judged("WastedKerma", shown, log[log["reason"] != "test"]["ei"].sum() / 100)
    assert verdict.outcome is Outcome.NOT_YET and "mammography room" in verdict.message
    right = solved("WastedKerma", shown)
    lines = [line.split(";")[6] for line in lesson.input_of("reject_logs", shown.own)["helio"].splitlines()[1:]]
    for given, label in ((log["ei"].sum() / 100, "all rows"), (right * 10, "ten"), (right / 10, "tenth"),
                         (sum(map(float, lines)) / 100, "every line"), (right / 1000, "milli"), (round(right), "rounded")):
        assert judged("WastedKerma", shown, given).label == label


# --- 8: the policy

def over_many(change, seeds=(0, 1, 101, 102)):
    """What comes of a policy: [(false accusations in a hundred departments, found in time of a hundred to be found)]."""
    outcomes = [run_policy(others(seed), policy_of({**POLICY, **change})) for seed in seeds]
    return [(100 * out["accused"].total() / out["departments"],
             100 - 100 * (out["missed"].total() + out["late"].total()) / out["wanted"]) for out in outcomes]


def test_the_innocent_vary_as_chance_does():
    """Binomial around the true rates of their department: standard deviation 1, one in twenty beyond 2, one in 370 beyond 3."""
    innocent = [place for place, kind in enumerate(PEOPLE) if kind in ("ordinary", "hard")]
    found, middles = [], []
    for exposures, rejects, _ in zip(*drawn(7, "chance", 100), strict=True):
        n, x = exposures[innocent], rejects[innocent]
        p = x.sum(axis=(0, 1)) / n.sum(axis=(0, 1))
        found.append((x - n * p).sum(axis=2) / numpy.sqrt((n * p * (1 - p)).sum(axis=2)))
        middles.append(p)
    found = numpy.concatenate(found).ravel()
    assert len(found) == 20_400 and abs(found.mean()) < 0.03 and abs(found.std() - 1) < 0.02
    assert 0.040 < (abs(found) > 2).mean() < 0.051 and 0.0015 < (abs(found) > 3).mean() < 0.0045
    # Each department has rates of its own: they differ by more than chance, which moves a middle by less than half a percent here.
    assert (numpy.array(middles).std(axis=0) > (0.004, 0.004, 0.009, 0.009)).all()


def test_no_two_departments_are_alike():
    departments = others(0)
    acted = [run_policy([array[one:one + 1] for array in departments], policy_of({**POLICY, "in_a_row": 1}), PEOPLE)["acted"]
             for one in range(40)]
    assert len({tuple(one) for one in acted}) > 30
    false = Counter(sum(judged == "accused" for *_, judged in one) for one in acted)
    assert len(false) >= 3 and false[0] > 15                                # none in most, one in some, two or more in a few


def test_months_too_many_are_told_with_all_that_leads_there(shown):
    returns = lesson.input_of("returns", shown.own)
    for given in (beyond(returns, sd=2.45), solved("MonthsBeyond", shown) + ["2024-04"]):
        assert "or a month that slipped in" in judged("MonthsBeyond", shown, given).message


@pytest.mark.parametrize("change", [
    {}, {"compare": "Same exams"}, {"compare": "same_exams"}, {"least": 100}, {"least": 30}, {"high_sd": "3,0"}, {"low_sd": -3},
    {"high_sd": "3 SD", "low_sd": "3 standard deviations", "quarters": "2 quarters", "in_a_row": "2 times"},
    {"quarters": 3, "high_sd": 3.5, "low_sd": 3.5}, {"in_a_row": 1, "high_sd": 3.5, "low_sd": 3.5},
    {"high_sd": 2.5, "low_sd": 3, "in_a_row": 3}])
def test_other_policies_that_work_are_right(editions, change):
    verdict = judged("ThePolicy", editions, {**POLICY, **change})
    assert verdict.correct, verdict.message
    assert judged("ThePolicy", editions, list({**POLICY, **change}.items())).correct


@pytest.mark.parametrize("change", [
    {"high_sd": 8}, {"low_sd": 6}, {"least": 1000}, {"in_a_row": 8}, {"in_a_row": 3},
    {"quarters": 1, "in_a_row": 1, "least": 0}, {"compare": "all", "high_sd": 4}, {"compare": "all", "least": 100, "in_a_row": 3},
    {"high_sd": 1.96, "low_sd": 1.96}, {"low_sd": "never"}, {"in_a_row": 1}, {"least": 0, "high_sd": 2, "low_sd": 2, "quarters": 1},
    {"high_sd": 2, "low_sd": 2, "quarters": 1}, {"least": 0, "quarters": 3}, {"least": 0, "quarters": 3, "in_a_row": 1},
    {"least": 0, "high_sd": 1.5, "low_sd": 1.5, "quarters": 1, "in_a_row": 3},                 # all that the lesson teaches, broken
    {"least": 20, "high_sd": 1.5, "low_sd": 1.5, "quarters": 1, "in_a_row": 3},
    {"least": 0, "high_sd": 1.5, "low_sd": 2, "quarters": 1, "in_a_row": 3},
    {"least": 0, "high_sd": 2, "low_sd": 2, "quarters": 1, "in_a_row": 3}])
def test_policies_that_do_harm_are_refused(editions, change):
    verdict = judged("ThePolicy", editions, {**POLICY, **change})
    assert verdict.outcome is Outcome.NOT_YET and verdict.label not in ("unreadable", "trouble", "error")


def test_what_chance_costs_is_as_the_lesson_says():
    """Limits near what a physicist reckons: rare false accusations under the reference, but some; about one in two departments at 3 SD."""
    reference = over_many({}, range(12))
    assert all(accused < 0.6 * ACCUSED and found > FOUND + 0.9 for accused, found in reference)
    assert 0.5 < sum(accused for accused, _ in reference) / 12 < 4           # not none by construction
    assert all(30 < accused < 65 for accused, _ in over_many({"quarters": 1, "in_a_row": 1}))
    assert all(accused > 100 for accused, _ in over_many({"least": 0}))
    # What the text reckons: 288 looks, a look in 44 above 2 SD.
    out = run_policy(others(0), policy_of({**POLICY, "least": 50, "high_sd": 2, "low_sd": None, "quarters": 1, "in_a_row": 1}))
    assert 2.5 < out["accused"].total() / out["departments"] < 6.6


def test_what_a_policy_is_told_is_true_of_it(shown):
    """Near the wrong ways, and on the whole grid: no message speaks of what the policy does not do."""
    seen = set()
    for compare in ("all", "same exams"):
        for least in (0, 200):
            for sd in (2, 4):
                for low in (None, sd):
                    for quarters, in_a_row in ((1, 1), (1, 3), (2, 1), (2, 2)):
                        policy = {"compare": compare, "least": least, "high_sd": sd, "low_sd": low, "quarters": quarters,
                                  "in_a_row": in_a_row}
                        said = judged("ThePolicy", shown, policy).message
                        seen.add(said)
                        assert "5 standard" not in said
                        assert compare == "all" or "compare hips" not in said and "compare chests" not in said.lower()
                        assert low is None or "never look below" not in said
                        assert quarters == 1 or "Each quarter by itself" not in said and "One quarter by itself" not in said
                        assert (quarters, in_a_row) == (1, 1) or "single quarter" not in said
                        assert in_a_row == 1 or "One time beyond" not in said
                        assert quarters > 1 or "still in the sum" not in said
                        assert least < 100 or "few exposures" not in said
                        assert least > 50 or "many exposures asked" not in said
    assert len(seen) > 15


def test_a_policy_near_the_limit_is_told_so(shown):
    said = judged("ThePolicy", shown, {**POLICY, "least": 20, "high_sd": 1.5, "low_sd": 1.5, "quarters": 1, "in_a_row": 3}).message
    assert "leave a margin" in said and "21 in 200 departments, where 20 are allowed" in said
    assert "leave a margin" not in judged("ThePolicy", shown, {**POLICY, "in_a_row": 1}).message


def test_a_policy_that_fails_elsewhere_only_is_told_so(shown):
    two = Editions(shown.own, lambda: [hospital(301, "tiny")])
    verdict = judged("ThePolicy", two, {**POLICY, "least": 30, "high_sd": 2.5})
    assert verdict.label == "only here" and "leave a margin" in verdict.message
    assert verdict.message.startswith("Good in the 200 departments that you see, but not in 200 others. There: ")


def test_one_department_and_many(editions):
    made = Department(0)
    told = repr(made.elsewhere({**POLICY, "in_a_row": 1}))
    assert "accused falsely" in told and told.startswith(f"{ELSEWHERE} other departments: false accusations ")
    assert "of a hundred to be found" in told
    # A good policy may accuse somebody in one department all the same: no more is asked than few over many.
    false = [repr(Department(seed).replay(POLICY)).count("FALSE ACCUSATION") for seed in range(40)]
    assert 0 in false and sum(false) <= 6
    with pytest.raises(CourseError):
        made.elsewhere({"compare": "all"})
    with pytest.raises(CourseError):
        made.replay(object())


def test_the_first_that_is_told_is_the_first_in_time():
    for seed in range(5):
        out = Department(seed).replay({**POLICY, "compare": "all", "high_sd": 2, "in_a_row": 1}).outcome
        assert [one[2] for one in out["acted"]] == sorted(one[2] for one in out["acted"])


def test_a_replay_agrees_with_a_plain_reckoning():
    """The arrays against loops over the counts, for one department after the other."""
    changes = ({}, {"in_a_row": 1, "high_sd": 2}, {"compare": "all", "quarters": 1, "least": 0}, {"low_sd": None})
    for seed, change in enumerate(changes):
        made, policy = Department(seed), policy_of({**POLICY, **change})
        acted = set()
        for name in made.people:
            for side, sign in (("high", 1), ("low", -1)):
                run = 0
                for place in range(policy["quarters"] - 1, len(QUARTERS)):
                    span = range(place + 1 - policy["quarters"], place + 1)
                    sums = {who: {exam: [sum(made.counts[who][one][exam][part] for one in span) for part in (0, 1)] for exam in USUAL}
                            for who in made.people}
                    groups = [[exam] for exam in USUAL] if policy["compare"] == "same exams" else [list(USUAL)]
                    share = {}
                    for group in groups:
                        made_of, gone = (sum(sums[who][exam][part] for who in sums for exam in group) for part in (0, 1))
                        share |= dict.fromkeys(group, gone / made_of)
                    own = sums[name]
                    n, x = (sum(both[part] for both in own.values()) for part in (0, 1))
                    expected = sum(own[exam][0] * share[exam] for exam in USUAL)
                    spread = math.sqrt(sum(own[exam][0] * share[exam] * (1 - share[exam]) for exam in USUAL))
                    limit = policy[f"{side}_sd"]
                    run = run + 1 if limit is not None and n >= policy["least"] and sign * (x - expected) > limit * spread else 0
                    if run == policy["in_a_row"] and not any(one[:2] == (name, side) for one in acted):
                        acted.add((name, side, place))
        assert acted == {one[:3] for one in made.replay(policy).outcome["acted"]}


def test_policies_that_can_not_be_read_are_told_why(editions):
    for change in ({"compare": "hips"}, {"least": -1}, {"quarters": 1.5}, {"in_a_row": 0}, {"high_sd": None}, {"high_sd": "three"},
                   {"more": 1}, {"high_sd": float("nan")}, {"least": float("inf")}):
        verdict = judged("ThePolicy", editions, {**POLICY, **change})
        assert verdict.label == "unreadable" and f"`{next(iter(change))}`" in verdict.message
        with pytest.raises(CourseError):
            Department(1).replay({**POLICY, **change})
    assert "missing" in judged("ThePolicy", editions, {"compare": "all"}).message
    assert judged("ThePolicy", editions, [1, 2]).label == "unreadable"
    assert judged("ThePolicy", editions, {**POLICY, "least": ...}).label == "unreadable"


def test_the_department_is_what_its_kinds_say():
    for seed in range(8):
        made = Department(seed)
        assert Counter(kind for kind, _ in made.people.values()) == {kind: one[0] for kind, one in KINDS.items()}
        for name, quarters in made.counts.items():
            kind, begins = made.people[name]
            assert len(quarters) == len(QUARTERS) and (begins is None) == (kind not in TRUTH)
            n, x = (sum(both[side] for quarter in quarters[begins or 0:] for both in quarter.values()) for side in (0, 1))
            assert all(0 <= rejects <= exposures for quarter in quarters for exposures, rejects in quarter.values())
            expected = sum(exposures * sum(USUAL[exam]) / 2000
                           for quarter in quarters[begins or 0:] for exam, (exposures, _) in quarter.items())
            factor = 1.0 if kind not in TRUTH else KINDS[kind][3] / 1000
            if kind != "stand-in":
                assert abs(x - factor * expected) < 0.16 * factor * expected + 4.2 * math.sqrt(factor * expected) + 0.1
            assert (n / len(quarters[begins or 0:]) < 15) == (kind == "stand-in")
        assert made.table()["exposures"].min() > 0


def test_a_replay_tells_right_from_wrong():
    hurry = {"compare": "all", "least": 0, "high_sd": 2, "low_sd": None, "quarters": 1, "in_a_row": 1}
    told = repr(Department(0).replay(hurry))
    assert "FALSE ACCUSATION" in told and "missed 2" in told
    good = repr(Department(0).replay(POLICY))
    assert "missed 0, later than three quarters 0" in good


def test_what_was_found_is_true_of_how_it_was_compared():
    """Who makes hips and spines is accused for that where all exams are thrown together, and by chance alone where they are not."""
    alike = {**POLICY, "in_a_row": 1}
    assert "makes the hips and spines" in repr(Department(0).elsewhere({**alike, "compare": "all"}))
    assert "makes the hips and spines" not in repr(Department(0).elsewhere(alike))
