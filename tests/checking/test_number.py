"""Number: right in every form that a person would write, and factor errors named."""

import datetime
import decimal
import fractions

import numpy as np
import pandas as pd
import pytest

from coursekit.checking import Bytes, Choice, Fields, Number, Outcome, Set, Table, Text

RIGHT = [
    524288, 524288.0, "524288", " 524288 ", "524,288", "524 288", "524.288,0", "524'288", "524_288", "524288 bytes", "524288 B",
    "524288 Bytes", "524288 Byte",
    "512 KiB", "512KiB", "0.5 MiB", "524.288 kB", "0x80000", "4194304 bits", "5.24288e5", "+524288", np.int64(524288), np.float32(524288),
    np.array([524288]), np.array(524288), [524288], (524288,), {524288}, pd.Series([524288]), pd.DataFrame({"n": [524288]}),
    decimal.Decimal("524288"), fractions.Fraction(524288), "524\u00a0288",
]


@pytest.mark.parametrize("answer", RIGHT)
def test_right_forms(ask, answer):
    assert ask(Number("size", unit="bytes"), lambda: 524288)(answer).correct


@pytest.mark.parametrize(
    ("answer", "label", "word"),
    [
        (524288 * 8, "factor", "bits"),
        (524288 / 8, "factor", "bits"),
        (-524288, "factor", "sign"),
        (524.288, "factor", "prefix"),
        (512, "factor", "prefix"),
        ("512 kB", "factor", "1024"),
        (524289, "close", "Close, but not it"),
        ("524288 km", "unreadable", "km"),
        ("about half a megabyte", "unreadable", "no number"),
        ("1,2,3", "unreadable", "no number"),
        (True, "unreadable", "truth value"),
        (None, "unreadable", "None"),
        ([1, 2], "unreadable", "list of 2"),
        ((524, 288), "unreadable", "without commas"),
        (float("nan"), "unreadable", "NaN"),
        ("nan", "unreadable", "no number"),
        (np.float64("inf"), "unreadable", "infinity"),
        (pd.DataFrame({"n": [1, 2]}), "unreadable", "2 rows"),
        (lambda: 524288, "unreadable", "parentheses"),
    ],

)
def test_wrong_forms(ask, answer, label, word):
    verdict = ask(Number("size", unit="bytes"), lambda: 524288)(answer)
    assert verdict.outcome is Outcome.NOT_YET
    assert verdict.label == label
    assert word in verdict.message
    assert "524288" not in verdict.message or "km" in verdict.message


def test_an_exact_whole_number_is_not_told_to_round(ask):
    message = ask(Number("offset"), lambda: 275)(273).message
    assert message.startswith("Close, but not it") and "round" not in message
    assert "round only at the end" in ask(Number("x", tolerance=0.1), lambda: 27.5)(27.3).message


def test_a_point_may_part_thousands_where_the_number_is_exact(ask):
    assert ask(Number("port"), lambda: 11112)("11.112").correct and ask(Number("port"), lambda: 11.112)("11.112").correct
    assert not ask(Number("x", tolerance=0.5), lambda: 11112)("11.112").correct and not ask(Number("port"), lambda: 112)("0.112").correct


@pytest.mark.parametrize("answer", ["240*320", "240 * 320 * 3 * 24", "512 x 512 x 2", "(512*512)/8", "600/2", "3 \u00d7 4", "24 + 4"])
def test_a_calculation_in_quotes_is_told_as_such(ask, answer):
    assert "calculation in quotes" in ask(Number("size", unit="bytes"), lambda: 5)(answer).message


def test_percent_and_fraction(ask):
    check = ask(Number("rate", unit="%", tolerance=0.05), lambda: 7.43)
    assert check("7.4 %").correct and check("7,4%").correct and check(7.4).correct
    assert all(check(f"7.4 {word}").correct for word in ("percent", "per cent", "Percent", "pct")) and not check("7.4 permille").correct
    assert check(0.0743).label == "factor" and "fraction" in check(0.0743).message
    assert check(7.2).label in ("value", "close")


def test_a_thousands_comma_may_be_a_decimal_comma(ask):
    check = ask(Number("seconds", unit="s", tolerance=0.001), lambda: 1.25)
    assert check("1,250").correct and check("1250 ms").correct
    assert check("1250").label == "factor"


def test_tolerance_is_kept_exactly(ask):
    check = ask(Number("x", tolerance=0.5), lambda: 10)
    assert check(10.5).correct and check(9.5).correct
    assert not check(10.51).correct


def test_a_float_solution_forgives_only_noise(ask):
    check = ask(Number("x"), lambda: 0.1 + 0.2)
    assert check(0.3).correct
    assert not check(0.3001).correct


def test_a_wrong_way_is_named_before_a_factor(ask):
    def in_bits():
        return 80

    check = ask(Number("x", unit="bytes"), lambda: 10, {in_bits: "That is in bits, my friend."})
    assert check(80).message == "That is in bits, my friend."
    assert check(80).label == "in_bits"


@pytest.mark.parametrize("answer", ["2b68", "2b 68", "2b68h", "12b", "6a", "e4", "fc18"])
def test_hexadecimal_digits_without_0x_are_recognised(ask, answer):
    assert "`0x` in front" in ask(Number("port"), lambda: 11112)(answer).message


def test_hexadecimal_digits_are_no_unit(ask):
    assert "`0x` in front" in ask(Number("size", unit="bytes"), lambda: 106)("6a").message
    assert ask(Number("size", unit="bytes"), lambda: 6)("6 B").correct and ask(Number("age", unit="days"), lambda: 6)("6 d").correct


def test_scientific_notation_is_no_hexadecimal(ask):
    assert ask(Number("x"), lambda: 5000)("5e3").correct
    assert ask(Number("size", unit="bytes"), lambda: 12)("12 B").correct


def test_rates_of_a_line(ask):
    check = ask(Number("rate", unit="Mbit/s", tolerance=0.1), lambda: 13.3)
    for answer in ("13.3 Mbit/s", "13.3 Mb/s", "13.3 Mbps", "13300 kbit/s", "0.0133 Gbps", "13,300 Kbps", "13300000 bit/s", 13.3):
        assert check(answer).correct, answer
    assert check("1.6625 MB/s").correct and not check("13.3 MB/s").correct
    for answer in ("13.3 Mbit", "13.3 MB", "13.3 mb", "13.3 s"):
        assert check(answer).label == "unreadable", answer
    assert ask(Number("size", unit="MB"), lambda: 13)("13 MB/s").label == "unreadable"


def test_a_word_may_stand_before_the_number(ask):
    check = ask(Number("hop", named=("hop", "router")), lambda: 5)
    for answer in ("hop 5", "Hop 5", "hop no. 5", "hop #5", "router: 5", "hop5", " hop number 5 ", "5", 5):
        assert check(answer).correct, answer
    assert not check("hop 6").correct and check("hops 5").label == check("hop").label == check("line 5").label == "unreadable"
    assert ask(Number("hop"), lambda: 5)("hop 5").label == "unreadable"
    assert ask(Number("ct", unit="HU", named=("HU",)), lambda: -12)("HU -12").correct


def test_blanks_in_a_unit_do_not_matter(ask):
    check = ask(Number("velocity", unit="cm/s"), lambda: 92)
    assert check("92 cm / s").correct and check("92cm/s").correct and check("0.92 m/s").label == "unreadable"


@pytest.mark.parametrize("unit", ["HU", "hu", "Hounsfield units", "Hounsfield"])
def test_hounsfield_units_by_their_name(ask, unit):
    assert ask(Number("mean", unit="HU", tolerance=0.1), lambda: 65.6)(f"65.6 {unit}").correct


@pytest.mark.parametrize("unit", ["cm/s", "cm / s", "cm/sec", "cm per second", "cm/seconds"])
def test_a_unit_for_each_second_may_be_written_out(unit):
    assert Number("x", unit="cm/s").read(f"12 {unit}") == (12,)


def test_the_difference_of_two_moments_is_a_time(ask):
    import datetime

    def solution():
        return 90.5

    moments = datetime.datetime(2025, 4, 7, 2, 0), datetime.datetime(2025, 4, 7, 2, 1, 30, 500_000)
    seconds = ask(Number("took", unit="s", tolerance=0.1), solution, {})
    assert seconds(moments[1] - moments[0]).correct and not seconds(moments[0] - moments[1]).correct
    assert ask(Number("took", unit="ms", tolerance=0.1), lambda: 90_500, {})(moments[1] - moments[0]).correct
    assert ask(Number("took"), solution, {})(moments[1] - moments[0]).label == "unreadable"


@pytest.mark.parametrize(("given", "right"), [
    ("28:00", True), ("28:00:00", True), ("1 day 4 h", True), ("1 day, 4 hours", True), ("1 day and 4 h", True), ("1680 min", True),
    ("27 h 60 min", True), ("1 d 5 h", False), ("28:75", False), ("1 day 4 foo", False), ("1 h" * 40, False)])
def test_a_span_of_time_in_several_parts(ask, given, right):
    assert ask(Number(unit="h", tolerance=0.01), lambda: 28, {})(given).correct == right


SPAN = datetime.timedelta(hours=99, minutes=40)
SPANS = {
    "timedelta": SPAN, "Timedelta": pd.Timedelta(SPAN), "minutes": np.timedelta64(5980, "m"), "seconds": np.timedelta64(358_800, "s"),
    "nanoseconds": np.timedelta64(358_800 * 10**9, "ns"), "array": np.array([SPAN], "timedelta64[m]"),
    "array of ns": np.array([SPAN], "timedelta64[ns]"), "array without size": np.array(SPAN, "timedelta64[s]"), "list": [SPAN],
    "tuple of numpy's": (np.timedelta64(5980, "m"),), "Series": pd.Series([SPAN]), "index": pd.TimedeltaIndex([SPAN]),
    "pandas' array": pd.Series([SPAN]).array, "table": pd.DataFrame({"lost": [SPAN]}),
    "difference": pd.Timestamp("2025-04-06 04:51") - pd.Series(pd.to_datetime(["2025-04-02 01:11"])),
}


@pytest.mark.parametrize("form", SPANS)
def test_a_span_of_time_in_any_form_is_a_number_of_hours_or_seconds(ask, form):
    assert ask(Number("lost", unit="h", tolerance=0.01), lambda: 99.667)(SPANS[form]).correct
    assert ask(Number("lost", unit="s"), lambda: 358_800)(SPANS[form]).correct
    verdict = ask(Number("lost", unit="MB"), lambda: 5980)(SPANS[form])
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == "unreadable", verdict


HARD = {
    "no unit": np.timedelta64(5), "months": np.timedelta64(5, "M"), "no time": np.timedelta64("NaT"), "no span": pd.NaT,
    "far": np.timedelta64(2**62, "D"), "span": np.timedelta64(5980, "m"), "spans": np.array([1, 2], "timedelta64[ns]"),
    "spans of days": np.array([1, 2], "timedelta64[D]"),
    "pandas' spans": pd.Series([SPAN, SPAN]), "signalling": decimal.Decimal("sNaN"), "fraction": fractions.Fraction(10**400, 3),
    "range": range(10**30), "down": range(10**30, 0, -1), "digits": 10**5000, "clock": "9" * 400 + ":10",
    "longer clock": "9" * 5000 + ":10",
    "hexadecimal": "0x" + "f" * 5000,
    "two levels": pd.MultiIndex.from_tuples([(1, 2)]),
}


@pytest.mark.parametrize("form", HARD)
@pytest.mark.parametrize(("kind", "right"), [
    (Number("x"), 7), (Number("x", unit="h", tolerance=0.1), 7), (Text("x"), "seven"), (Set("x"), ["seven"]),
    (Table("x", key=["a"]), [{"a": 3, "b": 4}]),
    (Choice("x, y", {"A": "a", "B": "b"}, Number("y", unit="h")), ("A", 7)),
    (Fields("x", {"a": Number(unit="h"), "b": Text()}), {"a": 1, "b": "c"}),
    (Bytes("x"), b"seven"),
], ids=["number", "hours", "text", "set", "table", "choice", "fields", "bytes"])
def test_what_python_itself_stumbles_over_gets_a_sentence(ask, kind, right, form):
    value = HARD[form]
    for given in (value, [value], {"a": value, "b": value}, [{"a": value, "b": value}]):
        verdict = ask(kind, lambda: right)(*({2: ("A", given)}.get(len(kind.variables), (given,))))
        assert verdict.outcome is Outcome.NOT_YET, verdict


def test_moments_of_numpy_are_read_as_moments_however_fine(ask):
    when = ["2025-04-06 04:51:00", "2025-04-07 05:30:00"]
    for unit in ("m", "s", "us", "ns"):
        assert ask(Set("moments"), lambda: when)(np.array(when, f"datetime64[{unit}]")).correct


def test_a_date_is_no_number_with_a_unit(ask):
    message = ask(Number("lost", unit="h"), lambda: 7)("2025-04-06 04:51").message
    assert "a date and not a number" in message and "unit" not in message


@pytest.mark.parametrize("answer", ["173.", "173. mm", "173 mm.", "173 millimetres", "173 millimeter", "173 Millimetre"])
def test_a_full_stop_and_millimetres_in_words(ask, answer):
    assert ask(Number("width", unit="mm", tolerance=0.6), lambda: 173)(answer).correct
    assert ask(Number("width", unit="mm"), lambda: 173)("17.3 cm").outcome is Outcome.NOT_YET
