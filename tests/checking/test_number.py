"""Number: right in every form that a person would write, and factor errors named."""

import decimal
import fractions

import numpy as np
import pandas as pd
import pytest

from coursekit.checking import Number, Outcome

RIGHT = [
    524288, 524288.0, "524288", " 524288 ", "524,288", "524 288", "524.288,0", "524'288", "524_288", "524288 bytes", "524288 B",
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


def test_percent_and_fraction(ask):
    check = ask(Number("rate", unit="%", tolerance=0.05), lambda: 7.43)
    assert check("7.4 %").correct and check("7,4%").correct and check(7.4).correct
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


def test_scientific_notation_is_no_hexadecimal(ask):
    assert ask(Number("x"), lambda: 5000)("5e3").correct
    assert ask(Number("size", unit="bytes"), lambda: 12)("12 B").correct
