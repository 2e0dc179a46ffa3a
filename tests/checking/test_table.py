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


def test_tolerance_holds_without_a_key(ask):
    check = ask(Table("t", tolerance=0.05), lambda: pd.DataFrame({"gigabytes": [12.34, 5.67]}))
    assert check(pd.DataFrame({"gigabytes": [5.7, 12.3]})).correct
    assert check(pd.DataFrame({"gigabytes": [5.7, 12.1]})).label == "value"


def test_frames_too_large_are_refused_at_once(ask):
    check = ask(Table("t"), right)
    assert "more than" in check(pd.DataFrame({"a": np.zeros(3_000_000)})).message
    assert check(pd.concat([right()] * 5000)).label == "rows"
