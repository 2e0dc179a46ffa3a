"""Text, Set and Choice."""

import numpy as np
import pandas as pd
import pytest
from pydicom.uid import UID
from pydicom.valuerep import PersonName

from coursekit.checking import Choice, Number, Outcome, Set, Text


@pytest.mark.parametrize(
    "answer", ["CTER01", " cter01 ", "'CTER01'", '"CTER01"', "CTER01\0", b"CTER01 ", ["CTER01"], np.str_("CTER01"), pd.Series(["CTER01"])],

)
def test_text_in_right_forms(ask, answer):
    assert ask(Text("aet"), lambda: "CTER01")(answer).correct


def test_text_pydicom_values(ask):
    assert ask(Text("uid"), lambda: "1.2.840.10008.1.2")(UID("1.2.840.10008.1.2")).correct
    assert ask(Text("name"), lambda: "VANDERMEER^ANNA")(PersonName("Vandermeer^Anna")).correct


@pytest.mark.parametrize(
    ("answer", "label"),
    [("CTER02", "value"), ("", "unreadable"), (None, "unreadable"), (["A", "B"], "unreadable"), (True, "unreadable"), ("x" * 20000, "unreadable")],
)
def test_text_wrong(ask, answer, label):
    verdict = ask(Text("aet"), lambda: "CTER01")(answer)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label
    assert "CTER01" not in verdict.message


def test_text_case_matters_when_asked(ask):
    check = ask(Text("aet", case=True), lambda: "HV_PACS")
    assert check("HV_PACS").correct
    assert check("hv_pacs").label == "case"


def test_text_nearly(ask):
    check = ask(Text("uid"), lambda: "2.999.100.41.20250330.1")
    assert check("2.999.100.41.20250330.2").label == "typing"


def _even(value):
    number = int(value)
    if number % 2:
        raise ValueError("an even number is asked")
    return str(number)


def test_text_with_a_reading(ask):
    check = ask(Text("x", reading=_even), lambda: "8")
    assert check(8).correct and check("8 ").correct
    assert "an even number is asked" in check(7).message
    for odd in (None, 1.5, True, {}, [1, 2], "x"):
        assert check(odd).label == "unreadable"


@pytest.mark.parametrize(
    "answer",
    [["a", "B", "c"], ("c", "b", "a"), {"a", "b", "c"}, "a, b, c", "a\nb\nc", np.array(["a", "b", "c"]), pd.Series(["a", "b", "c"]),
     pd.Index(["a", "b", "c"]), {"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2, "c": 3}.keys(), ["a", "b", "c", "c"], [" a", "b ", "c\0"],
     [["a"], ["b"], ["c"]]],

)
def test_set_in_right_forms(ask, answer):
    assert ask(Set("x"), lambda: ["a", "b", "c"])(answer).correct


def test_set_wrong(ask):
    check = ask(Set("x"), lambda: ["alpha", "beta", "gamma"])
    assert check(["alpha", "beta"]).label == "missing" and "gamma" not in check(["alpha", "beta"]).message
    assert check(["alpha", "beta", "gamma", "delta"]).label == "extra" and "delta" in check(["alpha", "beta", "gamma", "delta"]).message
    assert check([]).label == "empty"
    assert check(None).label == "unreadable" and check(pd.DataFrame({"a": [1, 2]})).label == "unreadable"


def _choice(ask):
    def guess():
        return "B", 3

    return ask(
        Choice("fault, row", {"A": "The port is wrong.", "B": "The AE title is wrong.", "C": "Nothing."}, Number("row")),
        lambda: ("A", 7), {guess: "B? Look at the AE table."},
    )


@pytest.mark.parametrize("letter", ["A", "a", " a) ", "A.", "A: the port is wrong", "(A) The port is wrong.", "The port is wrong.", "the port is wrong", ["A"]])
def test_choice_in_right_forms(ask, letter):
    assert _choice(ask)(letter, "7").correct


def test_a_wrong_way_without_evidence_stands_for_any(ask):
    def guess():
        return "B", None

    check = ask(Choice("fault, row", {"A": "One.", "B": "Two."}, Number("row")), lambda: ("A", 7), {guess: "B? Why?"})
    for evidence in (7, 1, "x", None, [1, 2]):
        assert check("B", evidence).label == "guess"
    assert check("A", 8).label == "evidence" and check("A", "x").label == "evidence"


def test_choice_needs_both(ask):
    check = _choice(ask)
    assert check(..., 7).outcome is Outcome.NOT_ANSWERED and check("A", ...).outcome is Outcome.NOT_ANSWERED
    assert check("A", 8).label == "evidence" and check("A", None).label == "evidence"
    assert check("B", 7).label == "guess" and check("B", 99).label == "guess"
    assert check("C", 7).label == "choice"
    assert check("D", 7).label == "unreadable" and check(1, 7).label == "unreadable"
    assert check("A").label == "unreadable" and "2 values" in check("A").message
    assert "A: The port is wrong" not in check.exercise.answer_text("t")
    assert "- **A**: The port is wrong." in check.exercise.question_text()


def test_an_element_stands_for_its_value_and_its_tag(ask):
    from pydicom.dataset import Dataset

    ds = Dataset()
    ds.PatientID, ds.WindowWidth = "8", 400

    def tag(value):
        if isinstance(value, int):
            return f"{value:08x}"
        raise ValueError("no tag")

    assert ask(Text("x", reading=tag), lambda: 0x00100020)(ds["PatientID"]).correct
    assert ask(Set("x", reading=tag), lambda: [0x00100020, 0x00281051])([ds["PatientID"], ds["WindowWidth"]]).correct
    assert ask(Text("x", reading=_even), lambda: "8")(ds["PatientID"]).correct
