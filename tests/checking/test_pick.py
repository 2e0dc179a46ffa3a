"""Pick: rows of a table of the lesson, by their names."""

import hostile
import pandas as pd
import pytest

from coursekit.checking import Lesson, Outcome, Pick
from coursekit.checking.lesson import Editions

ROWS = [
    {"plate": "P0401", "part": "knee", "dose": 3}, {"plate": "P0402", "part": "hand", "dose": 1},
    {"plate": "P0502", "part": "chest", "dose": 4}, {"plate": "P0503", "part": "hip", "dose": 2},
]


class Hospital:
    seed = 0


def _check(table, **details):
    lesson = Lesson("x-1", "Pick", version=1, minutes=1, objectives=["pick"])

    @lesson.input
    def plates(hospital):
        return table

    def solution(plates):
        return ["P0401", "P0502"]

    def remark(row, extra):
        return f"Its dose is {row['dose']}." if extra else "Look at the doses."

    def all_of_them(plates):
        return [row["plate"] for row in ROWS]

    def one(plates):
        return ["P0401"]

    def none(plates):
        return ["P0402", "P0503"]

    parts = {"__doc__": "Which?", "answer": Pick("picked", about="plates", column="plate", looks="P0000", remark=remark, **details),
             "solution": solution, "wrong_ways": {all_of_them: "All?", one: "One more.", none: "The others."}, "hints": ["a", "b", "c"]}
    lesson.exercise(type("Asked", (), parts))
    editions = Editions(Hospital())
    return lambda *given: lesson.exercises[0].judge(given, editions)


@pytest.fixture(params=["list", "frame"])
def check(request):
    return _check(ROWS if request.param == "list" else pd.DataFrame(ROWS), also="part")


FRAME = pd.DataFrame(ROWS).iloc[[0, 2]]


@pytest.mark.parametrize("given", [
    ["P0401", "P0502"], "p0502, p0401", {"P0401", "P0502"}, ["401", "0502"], [401, "P0502"], ["knee", "Chest"], FRAME, FRAME[["plate"]],
    FRAME["plate"], FRAME.set_index("plate"), FRAME.set_index("plate").index, FRAME.to_dict("records"), FRAME.to_dict("list"),
    list(FRAME.itertuples()), FRAME["plate"].to_numpy(), [ROWS[0], "P0502"],
], ids=range(16))
def test_the_rows_in_any_form(check, given):
    assert check(given).correct


def test_a_text_may_part_names_by_blanks_and_commas():
    for given in ("P0401 P0502", "P0401, 0502 P0401", "P0401  and\nP0502,P0401 "):
        assert _check(ROWS)(given).correct, given


def test_what_is_no_name_or_the_end_of_several_is_said(check):
    assert check(["P0401", "P0999"]).message == "`P0999` is no `plate` in `plates`. Names there have the form `P0000`."
    assert check(["P0401", 2]).label == "unknown name", "a row's number is no end of a name"
    assert "2 of them end in it" in _check([*ROWS, {"plate": "P1502", "part": "foot", "dose": 0}])(["P0401", "502"]).message


def test_a_row_too_many_or_too_few_is_explained(check):
    assert check(["P0401", "P0502", "P0503"]).message == "`P0503` does not belong there. Its dose is 2."
    assert check(["P0402", "P0503", "P0401"]).message == ("`P0402` does not belong there. Its dose is 1. Nor does 1 more. Another is "
                                                          "missing.")
    assert check(["P0502"]).message.endswith("Look at the doses.") and "401" not in check(["P0502"]).message
    assert check(["P0401"]).label == "one"


def test_hostile_answers_get_a_sentence(check):
    for label, make in hostile.VALUES:
        for given in (make(), [make()]):
            verdict = check(given)
            assert verdict.outcome is Outcome.NOT_YET and len(verdict.message) > 10, label
