"""Text, Set and Choice."""

import ipaddress

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
     [["a"], ["b"], ["c"]], pd.Series(["a", "b", "c", "a"]).unique(), pd.Series(["a", "b", "c"]).array, pd.Series(["a", "b", "c"]).values,
     pd.Categorical(["a", "b", "c"]), pd.DataFrame({"name": ["a", "b", "c"]}), {"a": True, "b": True, "c": True, "d": False}],

)
def test_set_in_right_forms(ask, answer):
    assert ask(Set("x"), lambda: ["a", "b", "c"])(answer).correct


def test_set_wrong(ask):
    check = ask(Set("x"), lambda: ["alpha", "beta", "gamma"])
    assert check(["alpha", "beta"]).label == "missing" and "gamma" not in check(["alpha", "beta"]).message
    assert check(["alpha", "beta", "gamma", "delta"]).label == "extra" and "delta" in check(["alpha", "beta", "gamma", "delta"]).message
    assert check([]).label == "empty"
    assert check(None).label == "unreadable" and check(pd.DataFrame({"a": [1, 2], "b": [3, 4]})).label == "unreadable"


def test_a_key_may_be_a_tuple_in_a_tuple(ask):
    check = ask(Set("x"), lambda: ["alpha"])
    assert check({("alpha", ("beta",)): "ok"}).label == "unreadable"


def test_an_option_is_taken_as_it_is_shown(ask):
    check = ask(Choice("repair, row", {"A": "`chmod 777` on **all** files.", "B": "Nothing."}, Number("row")), lambda: ("A", 7))
    for option in ("A: chmod 777 on all files.", "`chmod 777` on **all** files.", "chmod 777 on all files", "**A**", "`a`"):
        assert check(option, 7).correct, option


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


def test_numbers_with_a_point_are_whole_and_what_cannot_be_read_is_named(ask):
    def even(value):
        if int(value) % 2:
            raise ValueError("an even number is asked")
        return str(int(value))

    check = ask(Set("x", reading=even), lambda: [2, 4])
    assert check([2.0, "4"]).correct and ask(Set("x"), lambda: ["2", "4"])([2.0, 4.0]).correct
    assert check([2.0, 4.5]).message == "One of your values is a number (`4.5`), which can't be read here."
    assert check([{"number": 2}, 4]).message.startswith("One of your values is a dictionary of 1 value,")


def test_what_cannot_be_printed_is_quoted_as_python_writes_it(ask):
    def refuse(value):
        raise ValueError("no")

    assert ask(Text("x", reading=refuse), lambda: "y")(b"\x10\x00 \x00").message == "`\\x10\\x00 \\x00` can't be read here: no."


def test_a_part_that_only_one_option_has_stands_for_it(ask):
    options = {"A": "Uncompressed, Explicit VR Little Endian", "B": "Compressed without loss, RLE Lossless", "C": "Uncompressed, Implicit VR Little Endian"}
    check = ask(Choice("what, why", options, Text("why")), lambda: ("B", "x"))
    assert check("RLE Lossless", "x").correct and check("rle lossless.", "x").correct and check("B", "x").correct
    for part in ("VR Little Endian", "Lossless", "loss, RLE Loss", "not RLE Lossless"):
        assert check(part, "x").label == "unreadable", part
    assert check("Implicit VR Little Endian", "x").label == "choice"


def test_words_before_the_values_of_a_set(ask):
    check = ask(Set("x", named=("image", "move")), lambda: [342, 343, 348])
    for given in (["image 342", "Images 343", 348], "moves 342, 343 and 348", "342, move 343, move no. 348", "images 342 343 348"):
        assert check(given).correct, given
    assert not check(["imagery 342", 343, 348]).correct and not ask(Set("x"), lambda: [342])("image 342").correct


def test_a_set_that_minds_the_case(ask):
    check = ask(Set("x", case=True), lambda: ["WS_ED1", "HV_PACS"])
    assert check(["HV_PACS", "WS_ED1"]).correct
    assert check(["HV_PACS", "ws_ed1"]).label == "case" and "`ws_ed1`" in check(["HV_PACS", "ws_ed1"]).message
    assert check(["HV_PACS"]).label == "missing"


def test_a_letter_with_a_part_of_its_option(ask):
    options = {"B": "The station refused them.", "C": "The archive does not know the title.", "D": "The archive was still sending."}
    check = ask(Choice("what, why", options, Text("why")), lambda: ("C", "x"))
    assert check("C: The archive does not know", "x").correct and check("(c) the archive", "x").correct and check("C. know", "x").correct
    assert check("D: The archive", "x").label == "choice"
    for other in ("C: The station", "C: kno", "E: The archive"):
        assert check(other, "x").label == "unreadable", other


def test_addresses_of_the_ipaddress_module_are_text(ask):
    network = ipaddress.ip_network("10.20.44.64/27")
    assert ask(Text("x"), lambda: "255.255.255.224")(network.netmask).correct
    assert ask(Set("x"), lambda: ["10.20.44.65", "::1"])([network[1], ipaddress.ip_address("::1")]).correct
    assert ask(Text("x"), lambda: "10.20.44.64/27")(network).correct
    assert ask(Text("x"), lambda: "10.20.44.70/27")(ipaddress.ip_interface("10.20.44.70/27")).correct


def test_one_value_that_lacks_is_one():
    kind = Set("x")
    assert kind.difference(kind.read(["a", "z"]), kind.read(["a", "b"])).message.endswith("Another is missing.")
    assert kind.difference(kind.read(["a", "z"]), kind.read(["a", "b", "c"])).message.endswith("Others are missing.")
