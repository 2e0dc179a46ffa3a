"""Fields: a dictionary of answers, each compared and diagnosed by itself."""

import hostile
import pandas as pd
import pytest

from coursekit.checking import Fields, Number, Outcome, Text


@pytest.fixture
def check(ask):
    def solution():
        return {"aet": "WS_ED1", "port": 104, "mask": "255.255.255.0"}

    def default_port():
        return {"aet": "WS_ED1", "port": 11112, "mask": "255.255.255.0"}

    def of_another():
        return {"aet": "WS_CH1", "port": 11112, "mask": "255.255.0.0"}

    def wide_mask():
        return {"aet": "WS_ED1", "port": 104, "mask": "255.255.0.0"}

    kind = Fields("setup", {"aet": Text("", case=True), "port": Number(""), "mask": Text("")})
    return ask(kind, solution, {default_port: "That is the archive's port.", of_another: "Another station has this.",
                                wide_mask: "Too many neighbours."})


RIGHT = {"aet": "WS_ED1", "port": 104, "mask": "255.255.255.0"}


def test_right_forms(check):
    for given in (RIGHT, dict(reversed(RIGHT.items())), {"AET": " WS_ED1 ", "Port": "104", "mask": "255.255.255.0"},
                  pd.Series(RIGHT), pd.DataFrame([RIGHT]), list(RIGHT.items()), [[name.upper(), value] for name, value in RIGHT.items()]):
        assert check(given).correct, given


def test_each_entry_is_diagnosed_by_itself(check):
    assert check({**RIGHT, "port": 11112}).label == "default_port"
    assert check({**RIGHT, "aet": "WS_CH1"}).label == "of_another"
    assert check({**RIGHT, "mask": "255.255.0.0"}).label == "wide_mask"
    # the first wrong entry speaks, whatever else is wrong
    assert check({**RIGHT, "port": 11112, "mask": "255.0.0.0"}).label == "default_port"
    # a way that is wrong earlier has nothing to say here
    assert check({**RIGHT, "port": 2104}).message.startswith("About `port`: ")
    assert "upper and lower case" in check({**RIGHT, "aet": "ws_ed1"}).message


def test_what_is_open_or_missing_is_named(check):
    assert check({name: ... for name in RIGHT}).outcome is Outcome.NOT_ANSWERED
    assert check(...).outcome is Outcome.NOT_ANSWERED
    assert "`port` is still open" in check({**RIGHT, "port": ...}).message
    assert "`mask` is missing" in check({"aet": "WS_ED1", "port": 104}).message
    assert "was not asked for" in check({**RIGHT, "gateway": "10.20.40.1"}).message
    assert check({**RIGHT, "port": None}).message.startswith("About `port`: ")
    assert "there twice" in check({**RIGHT, "AET": "WS_ED1"}).message
    assert "there twice" in check([*RIGHT.items(), ("AET", "WS_ED1")]).message
    assert "`mask` is missing" in check([("aet", "WS_ED1"), ("port", 104)]).message
    assert "a list of 3 values" in check([("aet", "WS_ED1"), ("port", 104), ("gateway", "10.20.40.1")]).message


def test_hostile_answers_get_a_sentence(check):
    for label, make in hostile.VALUES:
        for given in (make(), {**RIGHT, "port": make()}, {make: 1}):
            verdict = check(given)
            assert verdict.outcome is Outcome.NOT_YET and len(verdict.message) > 10, label
    assert not any(check({**RIGHT, "port": make()}).correct for _, make in hostile.VALUES)


def test_the_stub_names_the_entries(check):
    assert check.exercise.answer_text("t01").startswith('setup = {\n    "aet": ...,\n    "port": ...,\n')


def test_values_in_order_and_a_remark_on_a_wrong_one(ask):
    def remark(name, given, right, get):
        return f"This {given} is none." if name == "B" else None

    check = ask(Fields("x", {"A": Text(""), "B": Text("")}, in_order=True, remark=remark), lambda: {"A": "one", "B": "two"})
    assert check(["one", "two"]).correct and check({"B": "two", "A": "one"}).correct
    assert check({"A": "one", "B": "ten"}).message == "About `B`: this ten is none."
    assert check({"A": "ten", "B": "two"}).message == "About `A`: that is not what was asked."
    assert check(["one"]).label == "unreadable"


@pytest.mark.parametrize(("sentence", "goes_on"), [
    ("PID-15 has O.", "PID-15 has O."), ("R asks for one.", "R asks for one."), ("A row is odd.", "a row is odd."),
    ("That is none.", "that is none."), ("DICOM says so.", "DICOM says so."), ("It's none.", "it's none."), ("`x` is none.", "`x` is none."),
    ("C(R/O) is open.", "C(R/O) is open."),
    ("PS3.5 says so.", "PS3.5 says so."), ("iSCSI is none.", "iSCSI is none."), ("No.", "no."),
])
def test_a_remark_goes_on_without_its_capital_unless_it_begins_with_a_name(ask, sentence, goes_on):
    kind = Fields("plan", {"A": Text("")}, remark=lambda name, given, right, input: sentence)
    assert ask(kind, lambda: {"A": "one"})({"A": "two"}).message == f"About `A`: {goes_on}"


def test_what_it_takes_may_be_said_otherwise(ask):
    def solution():
        return "PDI", "link"

    kind = Fields("pair", {"mechanism": Text(""), "fact": Text("")}, in_order=True, takes="two texts, the mechanism and the fact")
    check = ask(kind, solution, {})
    assert check(("PDI", "link")).correct
    assert "takes two texts, the mechanism and the fact; you gave" in check("PDI, link").message
