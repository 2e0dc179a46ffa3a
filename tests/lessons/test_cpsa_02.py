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
    KINDS, QUARTERS, TRUTH, USUAL, VOCABULARY, CaseMix, Department, SiteReason, ThePolicy, WhoDiffers, WilsonInterval, lesson, policy_of,
    rates,
    run_policy)

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}
POLICY = ThePolicy.solution()


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"), lambda: [hospital(201, "tiny")])


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
    assert judged("SiteReason", editions, lambda vendor, text: VOCABULARY[vendor][text]).outcome is Outcome.NOT_YET


def test_the_vocabulary_reads_every_reason_that_a_vendor_writes():
    for reason in logs.REASONS:
        assert SiteReason.solution("helio", logs.HELIO[reason]) == reason
        assert SiteReason.solution("orbis", str(logs.ORBIS[reason])) == reason
        assert {SiteReason.solution("marlin", text) for text in logs.MARLIN[reason]} == {reason}


# --- 2: rates

def test_the_log_holds_what_the_exposures_say(editions):
    log = lesson.input_of("log", editions.own)
    truth = Counter((one.device, one.reason,
                     "repeat" if one.repeat_sent else "reject") for one in editions.own.logs.exposures if not one.kept)
    assert Counter(zip(log["room"], log["reason"], log["action"])) == truth
    assert log[log["room"] == "DX_CH1"]["ei"].notna().all() and log[log["room"] != "DX_CH1"]["ei"].isna().all()


def test_rates_in_other_forms_are_right(editions):
    percent = solved("RejectRates", editions)
    right = pandas.DataFrame(percent.items(), columns=["room", "percent"])
    forms = [
        right.set_index("room"), right.set_index("room")["percent"], percent, [(room.lower(), round(one, 1)) for room,
                                                                               one in percent.items()],
        right.assign(percent=[f"{one:.2f} %" for one in right["percent"]]), right.iloc[::-1].assign(images=1),
        [{"Room": room, "Percent": numpy.float32(one)} for room, one in percent.items()],
    ]
    for given in forms:
        assert judged("RejectRates", editions, given).correct, given


def test_wrong_rates_are_told_by_their_definition():
    editions = Editions(hospital(0), lambda: [])               # the edition that learners see: it has repeats
    right = pandas.DataFrame(solved("RejectRates", editions).items(), columns=["room", "percent"])
    log, images, notes = (lesson.input_of(name, editions.own) for name in ("log", "archive_images", "notes"))
    def told(**how):
        return judged("RejectRates", editions, rates(log, images, notes, **how)).message

    assert "repeat" in told(repeats=True)
    both = told(tests=True, out_of="images")
    assert "tests count" in both and "archive's images" in both
    assert "withdrawn" in told(codes=(), out_of="images")
    assert judged("RejectRates", editions, right.assign(percent=1.0)).message.startswith("0 of 3")
    assert judged("RejectRates", editions, right.iloc[:2]).outcome is Outcome.NOT_YET
    assert judged("RejectRates", editions, 12.5).outcome is Outcome.NOT_YET
    assert judged("RejectRates", editions, right.assign(percent="about 12")).outcome is Outcome.NOT_YET
    # The console's and the archive's views differ much, on the edition that is shown.
    assert right["percent"].min() < 3 and 11 < right["percent"].max() < 15


# --- 3: intervals

def test_intervals_in_other_forms_are_right(editions):
    def two(x, n):                                             # two standard errors; and the formula as quadratic roots
        if n == 0:
            return {"low": 0.0, "high": 1.0}
        z, p = 2, x / n
        a, b, c = 1 + z * z / n, -(2 * p + z * z / n), p * p
        root = math.sqrt(max(0, b * b - 4 * a * c))
        return {"low": (-b - root) / (2 * a), "high": (-b + root) / (2 * a)}

    right = WilsonInterval.solution
    forms = (two, lambda x, n: list(right(x, n)), lambda x, n: numpy.array(right(x, n)), lambda x, n: tuple(round(one,
                                                                                                                  2) for one in right(x,
                                                                                                                                      n)),
             lambda rejects, exposures: pandas.Series({"high": right(rejects, exposures)[1], "low": right(rejects, exposures)[0]}))
    for function in forms:
        assert judged("WilsonInterval", editions, function).correct


def test_wrong_intervals_are_told(editions):
    right = WilsonInterval.solution
    wrong = (lambda x, n: right(x, n)[::-1], lambda x, n: right(n, x) if x else (0, 1), lambda x, n: right(x, n + x), lambda x,
             n: right(x, n)[0],
             lambda x, n: (x / n if n else 0,) * 2, lambda x, n: f"{right(x, n)}")
    for function in wrong:
        assert judged("WilsonInterval", editions, function).outcome is Outcome.NOT_YET
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
                     lambda rows: dict(sorted(WhoDiffers.solution(rows).items()))):
        assert judged("WhoDiffers", editions, function).correct


def test_wrong_verdicts_are_told(editions):
    right = WhoDiffers.solution
    wrong = (lambda rows: {name: one for name, one in right(rows).items() if one != "as expected"}, lambda rows: list(right(rows)),
             lambda rows: dict.fromkeys(right(rows), "as expected"), lambda rows: {name: one == "high" for name,
                                                                                   one in right(rows).items()},
             lambda rows: {name: "high" if one == "low" else "low" if one == "high" else one for name, one in right(rows).items()},
             lambda rows: {name: "low" if x / n < 0.03 else "high" if x / n > 0.17 else "as expected" for name, n, x in rows})
    for function in wrong:
        assert judged("WhoDiffers", editions, function).outcome is Outcome.NOT_YET


def test_on_the_shown_edition_two_differ():
    rows = lesson.input_of("technologists", hospital(0))
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
                     lambda table: with_transform(table).set_index("technologist"), lambda table: list(CaseMix.solution(table).items())):
        assert judged("CaseMix", editions, function).correct


def test_wrong_ratios_are_told(editions):
    right = CaseMix.solution
    wrong = (lambda table: list(right(table).values()), lambda table: dict.fromkeys(right(table), 1.0), lambda table: table,
             lambda table: {name: ratio for name, ratio in right(table).items() if ratio > 1},
             lambda table: table.groupby("technologist")["rejects"].sum() / table.groupby("technologist")["exposures"].sum())
    for function in wrong:
        assert judged("CaseMix", editions, function).outcome is Outcome.NOT_YET


def test_the_pair_turns_over_when_it_is_standardised():
    for seed in range(6):
        pair = lesson.input_of("pair", hospital(seed, "tiny"))
        crude = pair.groupby("technologist")[["exposures", "rejects"]].sum()
        crude = crude["rejects"] / crude["exposures"]
        expected = pair.assign(expected=pair["exposures"] * pair["exam"].map(USUAL)).groupby("technologist")[["rejects", "expected"]].sum()
        ratio = expected["rejects"] / expected["expected"]
        assert crude["A"] > crude["B"] + 0.01 and ratio["B"] > 1.4 and ratio["A"] < 1.15


# --- 6: months

def test_months_in_other_forms_are_right(editions):
    right = solved("MonthsBeyond", editions)
    dates = [datetime.date(2024, int(one[-2:]), 1) for one in right]
    names = ["January", "Feb", "March", "April", "May", "june", "July", "August", "Sept", "OCT", "November", "Dec."]
    forms = [right[::-1], set(right), ", ".join(right), tuple(dates), pandas.Series(right), [f"{one:%m/%Y}" for one in dates],
             [names[one.month - 1] for one in dates], [one.month for one in dates], pandas.to_datetime(pandas.Series(dates)),
             numpy.array(right),
             [f"{one:%b %Y}" for one in dates]]
    for given in forms:
        assert judged("MonthsBeyond", editions, given).correct, given


def test_wrong_months_are_told(editions):
    right = solved("MonthsBeyond", editions)
    for given in (right[:-1], right + ["2024-07"], [one.replace("2024", "2023") for one in right], [], "none", ["2024-13"], right[0]):
        assert judged("MonthsBeyond", editions, given).outcome is Outcome.NOT_YET, given


# --- 7: kerma

def test_kerma_in_other_forms_is_right(editions):
    right = solved("WastedKerma", editions)
    for given in (round(right, 1), f"{right:.1f} µGy", f"{right:.2f}", numpy.float64(right), [right], pandas.Series([right])):
        assert judged("WastedKerma", editions, given).correct, given
    for given in (right + 0.2, right * 1000, right / 1000, -right, "some", right / 2):
        assert judged("WastedKerma", editions, given).outcome is Outcome.NOT_YET, given


# --- 8: the policy

@pytest.mark.parametrize("change", [
    {}, {"compare": "Same exams"}, {"compare": "same_exams"}, {"least": 100}, {"least": 30}, {"in_a_row": 1}, {"quarters": 3},
    {"in_a_row": 3},
    {"high_sd": 3.5, "low_sd": 3.5}, {"high_sd": "3"}, {"low_sd": -3}, {"quarters": 4, "in_a_row": 1}])
def test_other_policies_that_work_are_right(editions, change):
    assert judged("ThePolicy", editions, {**POLICY, **change}).correct


@pytest.mark.parametrize("change", [
    {"quarters": 4, "in_a_row": 3}, {"high_sd": 8}, {"low_sd": 6}, {"least": 1000}, {"in_a_row": 8}, {"quarters": 1, "in_a_row": 1,
                                                                                                      "least": 0},
    {"compare": "all", "high_sd": 4}, {"compare": "all", "least": 100, "in_a_row": 3}, {"high_sd": 1.96, "low_sd": 1.96},
    {"low_sd": "never"}])
def test_policies_that_do_harm_are_refused(editions, change):
    verdict = judged("ThePolicy", editions, {**POLICY, **change})
    assert verdict.outcome is Outcome.NOT_YET and verdict.label not in ("unreadable", "trouble", "error")


def test_policies_that_can_not_be_read_are_told_why(editions):
    for change in ({"compare": "hips"}, {"least": -1}, {"quarters": 1.5}, {"in_a_row": 0}, {"high_sd": None}, {"high_sd": "three"},
                   {"more": 1},
                   {"high_sd": float("nan")}, {"least": float("inf")}):
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
            for place, quarter in enumerate(quarters):
                n, x = (sum(both[side] for both in quarter.values()) for side in (0, 1))
                assert all(0 <= rejects <= exposures for exposures, rejects in quarter.values())
                expected = sum(exposures * USUAL[exam] for exam, (exposures, _) in quarter.items())
                if kind in TRUTH and place >= begins and TRUTH[kind] == "high":
                    assert x > 1.4 * expected
                if kind in TRUTH and place >= begins and TRUTH[kind] == "low":
                    assert x < 0.25 * expected
                assert (n < 15) == (kind == "stand-in")
        assert made.table()["exposures"].min() > 0


def test_the_reference_holds_on_departments_that_no_test_of_exercises_sees():
    for seed in range(300, 330):
        assert ThePolicy.faults(run_policy(Department(seed), policy_of(POLICY))) == []


def test_a_replay_tells_right_from_wrong():
    hurry = {"compare": "all", "least": 0, "high_sd": 2, "low_sd": None, "quarters": 1, "in_a_row": 1}
    told = repr(Department(0).replay(hurry))
    assert "FALSE ACCUSATION" in told and "missed 2" in told
    good = repr(Department(0).replay(POLICY))
    assert "FALSE ACCUSATION" not in good and "false accusations 0, missed 0, later than three quarters 0" in good
