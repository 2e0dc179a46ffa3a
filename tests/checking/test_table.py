"""Table: the same content in any arrangement, and the first difference named without its value."""

import decimal

import numpy as np
import pandas as pd
import pytest

from coursekit.checking import Outcome, Table


def right():
    return pd.DataFrame({"month": ["2025-01", "2025-02", "2025-03"], "modality": ["CT", "CT", "MR"], "studies": [120, 118, 64]})


def _rows():
    return right().to_dict("records")


FORMS = {
    "frame": right,
    "columns in another order": lambda: right()[["studies", "month", "modality"]],
    "column names in another case": lambda: right().rename(columns=str.upper),
    "blanks in column names": lambda: right().rename(columns={"month": " Month "}),
    "rows in another order": lambda: right().iloc[::-1],
    "key in the index": lambda: right().set_index(["month", "modality"]),
    "one key in the index": lambda: right().set_index("month"),
    "gaps in the index": lambda: right().set_index(np.array([7, 3, 9])),
    "Series with its index": lambda: right().set_index(["month", "modality"])["studies"],
    "Series without a name": lambda: right().groupby(["month", "modality"])["studies"].sum().rename(None),
    "records": _rows,
    "columns": lambda: right().to_dict("list"),
    "tuples": lambda: [tuple(row.values()) for row in _rows()],
    "floats": lambda: right().astype({"studies": float}),
    "numbers as text": lambda: right().astype({"studies": str}),
    "padding": lambda: right().assign(modality=["CT ", " CT", "mr\0"]),
    "decimals": lambda: right().assign(studies=[decimal.Decimal(120), 118, 64]),
    "categories": lambda: right().astype({"modality": "category"}),
    "periods": lambda: right().assign(month=pd.PeriodIndex(right().month, freq="M")),
    "structured array": lambda: right().to_records(index=False),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("key", [(), ("month", "modality")], ids=["no key", "key"])
def test_right_forms(ask, form, key):
    verdict = ask(Table("t", key=key), right)(FORMS[form]())
    assert verdict.correct, verdict


def _changed(**values):
    frame = right()
    for column, (place, value) in values.items():
        frame[column] = frame[column].astype(object)
        frame.loc[place, column] = value
    return frame


WRONG = [
    (lambda: right().drop(columns="studies"), "missing column", "`studies` is missing"),
    (lambda: right().assign(note="x"), "extra column", "`note`"),
    (lambda: _changed(studies=(1, 119)), "value", "`studies` is not right"),
    (lambda: _changed(modality=(1, "US")), "extra row", "`modality` is `US`"),
    (lambda: right().iloc[:2], "missing row", "fewer than"),
    (lambda: pd.concat([right(), right().iloc[:1]]), "repeated row", "more often"),
    (lambda: right().iloc[:0], "missing row", "0 rows"),
    (lambda: 5, "unreadable", "a number"),
    (lambda: None, "unreadable", "None"),
    (lambda: [], "unreadable", "empty table"),
    (lambda: "2025-01 CT 120", "unreadable", "text. Write each row in brackets"),
    (lambda: ["2025-01 CT 120", "2025-02 CT 118"], "unreadable", "rows that are text. Write"),
    (lambda: {"month": ["a"], "studies": [1, 2]}, "unreadable", "different lengths"),
    (lambda: [{"a": 1}, {"b": 2}], "unreadable", "different columns"),
    (lambda: _changed(studies=(1, None)), "value", "`studies` is not right"),
    (lambda: _changed(studies=(1, object())), "unreadable", "object"),
]


@pytest.mark.parametrize(("make", "label", "word"), WRONG, ids=[f"{label} {word}" for _, label, word in WRONG])
def test_wrong(ask, make, label, word):
    verdict = ask(Table("t", key=("month", "modality")), right)(make())
    assert verdict.outcome is Outcome.NOT_YET
    assert verdict.label == label, verdict
    assert word in verdict.message
    assert "118" not in verdict.message


def test_a_wrong_cell_beyond_row_100_is_found(ask):
    def long():
        return pd.DataFrame({"n": range(500), "square": [n * n for n in range(500)]})

    answer = long()
    answer.loc[473, "square"] += 1
    verdict = ask(Table("t", key=("n",)), long)(answer)
    assert "`n` is `473`" in verdict.message and "`square`" in verdict.message


def test_missing_values_are_alike_and_dates_are_dates(ask):
    def solution():
        return pd.DataFrame({"day": ["2025-03-01", "2025-03-02"], "seen": [None, "2025-03-02 10:00:00"]})

    answer = pd.DataFrame({"day": pd.to_datetime(["2025-03-01", "2025-03-02"]), "seen": [np.nan, "2025-03-02T10:00:00"]})
    assert ask(Table("t"), solution)(answer).correct
    answer = answer.assign(seen=pd.to_datetime(["NaT", "2025-03-02 10:00:00"]))
    assert ask(Table("t"), solution)(answer).correct


def test_order_and_tolerance(ask):
    def solution():
        return pd.DataFrame({"modality": ["CT", "MR"], "gigabytes": [12.34, 5.67]})

    check = ask(Table("t", key=("modality",), ordered=True, tolerance=0.05), solution)
    assert check(solution().round(1)).correct
    assert check(solution().iloc[::-1]).label == "order"
    assert check(solution().assign(gigabytes=[12.5, 5.67])).label == "value"


def test_infinity_is_itself_and_nothing_else(ask):
    def solution():
        return pd.DataFrame({"modality": ["CT", "MR"], "ratio": [float("inf"), 0.5]})

    check = ask(Table("t", key=("modality",), tolerance=0.05), solution)
    assert check(solution()).correct
    assert check(solution().assign(ratio=[1e9, 0.5])).label == "value"


def test_tolerance_holds_without_a_key(ask):
    check = ask(Table("t", tolerance=0.05), lambda: pd.DataFrame({"gigabytes": [12.34, 5.67]}))
    assert check(pd.DataFrame({"gigabytes": [5.7, 12.3]})).correct
    assert check(pd.DataFrame({"gigabytes": [5.7, 12.1]})).label == "value"


def test_frames_too_large_are_refused_at_once(ask):
    check = ask(Table("t"), right)
    assert "more than" in check(pd.DataFrame({"a": np.zeros(3_000_000)})).message
    assert check(pd.concat([right()] * 5000)).label == "rows"


def test_a_dictionary_may_hold_rows_and_a_series_its_names_in_the_index(ask):
    def levels():
        return [{"level": "RAID 5", "iops": 200, "enough": "no"}, {"level": "RAID 10", "iops": 400, "enough": "yes"}]

    check = ask(Table("t", key=["level"]), levels)
    assert check({"RAID 10": (400, "yes"), "RAID 5": [200, "no"]}).correct
    assert check({"RAID 10": (400, "no"), "RAID 5": (200, "no")}).label == "value"
    assert check({"level": ["RAID 5", "RAID 10"], "iops": [200, 400], "enough": ["no", "yes"]}).correct     # as columns, also two of two
    assert "`iops` is missing" in check({"level": ["RAID 5", "RAID 10"], "enough": ["no", "yes"]}).message
    assert check(pd.DataFrame({"iops": [200, 400], "enough": ["no", "yes"]}, index=["RAID 5", "RAID 10"])).correct
    for given in ([("RAID 5", 200), ("RAID 10", 400)], {"RAID 5": 200, "RAID 10": 400}):
        assert check(given).label == "missing column" and "2 values each, where 3 are asked" in check(given).message

    check = ask(Table("t", key=["level"]), lambda: [{key: row[key] for key in ("level", "iops")} for row in levels()])
    series = pd.Series({"RAID 5": 200, "RAID 10": 400})
    assert check(series).correct and check(series.rename("iops")).correct and check(series.rename_axis("level")).correct
    assert "`level` is missing" in check(pd.DataFrame({"iops": [200, 400]}, index=[3, 7])).message           # the numbers only count rows


def _films():
    return [{"film": 1, "side": "L"}, {"film": 2, "side": "R"}, {"film": 3, "side": "L"}]


def _side(value):
    if value not in ("L", "R", "U"):
        raise ValueError("a side is L or R")
    return value


def test_the_first_row_may_hold_the_names(ask):
    check = ask(Table("t", key=["film"]), _films)
    assert check([["film", "side"], [1, "L"], [2, "R"], [3, "L"]]).correct
    assert check([("Side", "Film"), ("L", 1), ("R", 2), ("L", 3)]).correct
    assert not check([["film", "breast"], [1, "L"], [2, "R"], [3, "L"]]).correct


def test_a_cell_that_its_column_cannot_read_is_told(ask):
    check = ask(Table("t", key=["film"], reading={"side": _side}), _films)
    verdict = check([(1, "L"), (2, "left"), (3, "L")])
    assert verdict.label == "unreadable" and verdict.message.endswith("the column `side` can't be read: `left`; a side is L or R.")


def test_with_a_remark_a_wrong_row_is_diagnosed_by_itself(ask):
    def all_left():
        return [{"film": number, "side": "L"} for number in (1, 2, 3)]

    def remark(film, column, given, right, get):
        return f"Look at film {film} for its {column}, not {given}." if film == 1 else None

    check = ask(Table("t", key=["film"], reading={"side": _side}, remark=remark), _films, {all_left: "Not all are left."})
    assert check([(1, "R"), (2, "L"), (3, "L")]).label == "all_left", "its own wrong row is there, whatever the others hold"
    told = check([(1, "U"), (2, "R"), (3, "L")])
    assert told.message == ("2 of 3 rows are right. In the row where `film` is `1`, the column `side` is not right. "
                            "Look at film 1 for its side, not u.")
    assert check([(1, "L"), (2, "R"), (3, "U")]).message.endswith("is not right.")


def test_case_matters_where_it_is_said_to(ask):
    check = ask(Table("t", key=["tag"], case=["value"]), lambda: [{"tag": "a", "value": "HV10O2"}, {"tag": "b", "value": "19610817"}])
    assert check([("A", "HV10O2"), ("B", 19610817)]).correct
    verdict = check([("a", "hv10o2"), ("b", "19610817")])
    assert verdict.label == "case" and "upper and lower case matter" in verdict.message
    assert check([("a", "HV1002"), ("b", "19610817")]).label == "value"


def test_with_a_remark_a_wrong_way_may_have_other_keys(ask):
    def other_key():
        return [{"tag": "x", "value": "1"}, {"tag": "b", "value": "2"}]

    kind = Table("t", key=["tag"], remark=lambda key, column, given, right, input_of: "Look again.")
    verdict = ask(kind, lambda: [{"tag": "a", "value": "1"}, {"tag": "b", "value": "2"}], {other_key: "The tag."})([("a", "1"), ("b", "3")])
    assert verdict.label == "value" and verdict.message.endswith("Look again.")


def test_a_dictionary_of_entries_is_told_by_its_keys(ask):
    def sides():
        return {"Film 1": "L", "Film 2": "R", "Film 3": "L"}

    def all_left():
        return dict.fromkeys(sides(), "L")

    def remark(film, side, given, right, input_of):
        return f"Look at {film} again."

    kind = Table("t", entries=("film", "side"), reading={"side": _side}, remark=remark)
    check = ask(kind, sides, {all_left: "Not all are left."})
    right = sides()
    frames = [pd.DataFrame({"film": right.keys(), "side": right.values()}), pd.DataFrame({"a": right.keys(), "b": right.values()}),
              pd.DataFrame({"side": right.values(), "a": right.keys()})]
    for form in (right, list(right.items()), pd.Series(right), [["Film", "Side"], *right.items()], *frames,
                 {"film": list(right), "side": list(right.values())}, [{"film": film, "side": side} for film, side in right.items()]):
        assert check(form).correct, form
    assert check(all_left()).message == "Not all are left."
    assert check({**right, "Film 3": "U"}).message == "2 of 3 are right. `Film 3` is not right. Look at film 3 again."
    assert check({**right, "Film 3": "left"}).message == "`Film 3` can't be read: `left`; a side is L or R."
    assert check({"Film 1": "L", "Film 2": "R"}).message == "`Film 3` is missing."
    assert check({"Film 1": "L"}).message == "`Film 2` is missing, and so is 1 more."
    changed = check({"Film 1": "L", "Film 2": "R", "film.3": "L"})
    assert changed.message == "`film.3` is none of the keys that are asked. `Film 3` is missing." and changed.label == "extra row"
    assert check({"film": "L", "Film 2": "R", "Film 3": "L"}).outcome is Outcome.NOT_YET
    assert "values without their keys" in check(list(right.values())).message and "a dictionary" in check(list(right.values())).message
    assert "behind its key" in check("L R L").message and "brackets" not in check("L R L").message
    assert check("L R L").outcome is check({}).outcome is check([]).outcome is check({"Film 1": ["L"]}).outcome is Outcome.NOT_YET


def test_an_entry_may_be_a_list_of_words(ask):
    def sides():
        return {"Film 1": "L", "Film 2": "L, R", "Film 3": "R"}

    check = ask(Table("t", entries=("film", "side")), sides)
    for form in (sides(), {**sides(), "Film 2": ["L", "R"]}, {film: side.split(", ") for film, side in sides().items()},
                 {**sides(), "Film 2": ("L", "R")}, {"film": list(sides()), "side": list(sides().values())}):
        assert check(form).correct, form
    assert check({**sides(), "Film 2": ["L", "L"]}).message == "`Film 2` is not right."
    assert check({**sides(), "Film 2": [["L"], "R"]}).outcome is check({**sides(), "Film 2": {"L": "R"}}).outcome is Outcome.NOT_YET
    assert check({"film": list(sides()), "side": list(sides().values()), "why": [1, 2, 3]}).label == "extra column"


def test_what_is_asked_in_place_of_a_data_frame_is_said(ask):
    assert ask(Table("t", key=["film"], takes="a list of dictionaries"), _films)(3).message.startswith(
        "This exercise takes a list of dictionaries; you gave")


def test_a_missing_row_is_told_by_its_key_where_the_input_has_it(ask):
    assert ask(Table("t", key=["film"], told=True), _films)([(1, "L"), (3, "L")]).message == (
        "Your table has 2 rows, fewer than are asked. The one where `film` is `2` is missing.")
    assert ask(Table("t", key=["film"]), _films)([(1, "L"), (3, "L")]).message == "Your table has 2 rows, fewer than are asked."


def test_spare_columns_do_not_count(ask):
    check = ask(Table("t", key=["film"], spare=["Name of it"]), _films)
    assert check([{**row, "name_of_it": "x"} for row in _films()]).correct
    assert check([{**row, "name": "x"} for row in _films()]).label == "extra column"


def test_a_dictionary_may_have_pairs_as_keys(ask):
    def solution():
        return [{"sender": "HIS", "field": "ZPI-1", "filled": 7}, {"sender": "RIS", "field": "ZDS-1", "filled": 9}]

    check = ask(Table("t", key=["sender", "field"]), solution)
    for form in ({("HIS", "ZPI-1"): 7, ("RIS", "ZDS-1"): 9}, {("HIS", "ZPI-1"): [7], ("RIS", "ZDS-1"): (9,)},
                 {("HIS", "ZPI-1"): {"filled": 7}, ("RIS", "ZDS-1"): {"filled": 9}}):
        assert check(form).correct, form
    assert check({("HIS", "ZPI-1"): 7, ("RIS", "ZDS-1"): 8}).label == "value"
    assert check({("HIS", "ZPI-1"): 7, ("RIS",): 9}).label == "unreadable"
    assert check({("HIS", "ZPI-1"): {"filled": 7}, ("RIS", "ZDS-1"): {"x": 9}}).label == "unreadable"
