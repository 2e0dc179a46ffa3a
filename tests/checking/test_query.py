"""Query: any SQL with the right result, on hospitals not seen as well."""

import pytest

from coursekit.checking import Outcome, Query, Table
from coursekit.errors import CourseError

RIGHT = "SELECT modality, COUNT(*) AS studies FROM study GROUP BY modality"


def _check(ask, **options):
    def of_march_first():
        return "SELECT modality, COUNT(*) AS studies FROM study WHERE created_utc < '2025-03-02' GROUP BY modality"

    return ask(Query("query", result=Table(key=["modality"]), **options), lambda: RIGHT, {of_march_first: "Only the first day."})


@pytest.mark.parametrize(
    "sql",
    [
        RIGHT, RIGHT.lower(), RIGHT + ";", RIGHT + " ;  \n", "  \n" + RIGHT, "-- my first query\n" + RIGHT,
        RIGHT + " ORDER BY 2 DESC",
        "SELECT COUNT(*) AS studies, modality FROM study GROUP BY 2",
        "SELECT modality, COUNT(*) FROM study GROUP BY modality",  # no alias: by place
        "WITH a AS (SELECT * FROM study) SELECT modality, COUNT(*) studies FROM a GROUP BY modality",
        "SELECT modality, SUM(1.0) AS studies FROM study GROUP BY modality",
    ],
)
def test_right_forms(ask, sql):
    verdict = _check(ask)(sql)
    assert verdict.correct, verdict


@pytest.mark.parametrize(
    ("sql", "label"),
    [
        ("SELECT modality, COUNT(*) AS studies FROM study WHERE created_utc < '2025-03-02' GROUP BY modality", "of_march_first"),
        ("SELECT modality, COUNT(*) + 1 AS studies FROM study GROUP BY modality", "value"),
        ("SELECT modality FROM study GROUP BY modality", "missing column"),
        ("SELECT 'CT' AS modality, 14 AS studies", "missing row"),
        (5, "unreadable"), (None, "unreadable"), ("", "unreadable"), (["SELECT 1"], "unreadable"),
    ],
)
def test_wrong(ask, sql, label):
    verdict = _check(ask)(sql)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict


def test_a_query_that_is_only_right_here_is_refused(ask):
    here = _check(ask)
    counts = {"CT": 0, "MR": 0, "US": 0}
    for place in range(1, 41):
        counts[("CT", "MR", "US")[(place * 2) % 3]] += 1
    literal = " UNION ALL ".join(f"SELECT '{name}' AS modality, {count} AS studies" for name, count in counts.items())
    verdict = here(literal)
    assert verdict.label == "only here", verdict


def test_what_the_database_says_is_passed_on(ask):
    verdict = _check(ask)("SELECT modalty FROM study")
    assert verdict.label == "refused" and "no such column: modalty" in verdict.message


def test_an_index_can_be_demanded(ask):
    solution = "SELECT pk FROM study WHERE created_utc >= '2025-03-06' AND created_utc < '2025-03-07'"
    check = ask(Query("query", uses_index=True), lambda: solution)
    assert check(solution).correct
    slow = check("SELECT pk FROM study WHERE substr(created_utc, 1, 10) = '2025-03-06'")
    assert slow.label == "full scan" and "`study`" in slow.message
    aliased = check("SELECT s.pk FROM study s WHERE date(s.created_utc) = '2025-03-06'")
    assert aliased.label == "full scan"


def test_an_index_is_of_no_avail_where_the_range_is_wide(ask):
    check = ask(Query("query", uses_index=True),
                lambda: "SELECT pk FROM study WHERE created_utc >= '2025-03-06' AND created_utc < '2025-03-07'")
    wide = check("SELECT pk FROM study WHERE created_utc >= '2025-01-01' AND substr(created_utc, 1, 10) = '2025-03-06'")
    assert wide.label == "wide range" and "500 times as many rows" in wide.message


def test_names_of_columns_can_be_demanded(ask):
    def wrong():
        return "SELECT modality, 0 AS studies FROM study GROUP BY modality"

    solution = "SELECT modality, COUNT(*) AS studies FROM study GROUP BY modality"
    check = ask(Query("query", result=Table(key=["modality"]), named=True), lambda: solution, {wrong: "That is nothing."})
    assert check(solution).correct and check(solution.replace("studies", "Studies")).correct
    nameless = check(solution.replace(" AS studies", ""))
    assert nameless.label == "column names" and "`studies`" in nameless.message and "The values are right" in nameless.message
    assert check("SELECT modality, 0 FROM study GROUP BY modality").label == "wrong"
    assert ask(Query("query", result=Table(key=["modality"])), lambda: solution)(solution.replace(" AS studies", "")).correct


@pytest.mark.parametrize("given", ["59786", " 1,719 ", "52.5"])
def test_a_number_in_place_of_the_query_is_told_as_such(ask, given):
    assert "You gave a number" in _check(ask)(given).message


def test_a_database_that_cannot_be_opened_is_said(ask):
    check = _check(ask)

    class Gone:
        seed = 0

        class pacs:
            @staticmethod
            def rows(*_, **__):
                raise CourseError("The file is not there.")

    from coursekit.checking.lesson import Editions

    verdict = check.exercise.judge((RIGHT,), Editions(Gone()))
    assert verdict.label == "refused" and "The file is not there" in verdict.message
