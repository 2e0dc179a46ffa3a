"""Lessons on another database than SQLite: on a real PostgreSQL, and on the index of a real Orthanc."""

import inspect
import json
import re
from pathlib import Path

import postgres
import pytest

import coursekit
from coursekit import lessons
from coursekit.checking import Outcome, Query
from coursekit.errors import CourseError
from coursekit.hospital import hospital, orthanc
from coursekit.hospital.database import DatabaseSaysNo
from coursekit.hospital.postgresql import Server
from coursekit.learner.opening import OpenLesson

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "1_associate" / "cpas_06_sql_statistics.ipynb"
ON_SQL = ("cpas-05", "cpas-06")
SEED = 5            # an edition of 12,000 studies: loaded in half a second, and large enough for the planner to use an index
QUERIES = [(lesson, one.name) for lesson in ON_SQL for one in lessons.load(lesson).exercises if isinstance(one.answer, Query)]
# What PostgreSQL sees otherwise than SQLite: it refuses what has no meaning to it, and SUM of whole numbers keeps decimals there.
OTHERWISE = {"dates_not_understood": "refused", ("TheMondayReport", "once_per_series"): "refused", "whole_gigabytes": "correct",
             "not_grouped": "refused"}


@pytest.fixture(scope="module")
def address():
    with postgres.server() as where:
        yield where


@pytest.fixture(scope="module")
def on_postgresql(address):
    return {lesson: OpenLesson(lessons.load(lesson), seed=SEED, database=address) for lesson in ON_SQL}


@pytest.fixture(scope="module")
def on_orthanc():
    try:
        orthanc.program()
    except orthanc.NoOrthanc as missing:
        pytest.skip(str(missing))
    return OpenLesson(lessons.load("cpas-06"), database="orthanc")


def _exercise(opened, name):
    return next(one._exercise for one in opened._exercises if one.name == name)


@pytest.mark.parametrize("lesson, name", QUERIES)
def test_each_solution_is_right_on_postgresql_and_each_wrong_way_gets_its_feedback(on_postgresql, lesson, name):
    opened = on_postgresql[lesson]
    exercise = _exercise(opened, name)
    verdict = exercise.judge((exercise.computed(exercise.solution, opened._editions.own),), opened._editions)
    assert verdict.correct, verdict
    for way in exercise.wrong_ways:
        verdict = exercise.judge((exercise.computed(way, opened._editions.own),), opened._editions)
        told = OTHERWISE.get(way.__name__) or OTHERWISE.get((name, way.__name__)) or way.__name__
        assert verdict.label == told and verdict.outcome is not Outcome.TROUBLE, (way.__name__, verdict)


@pytest.mark.parametrize("lesson", ON_SQL)
def test_solutions_that_ask_give_the_same_on_postgresql(on_postgresql, lesson):
    opened = on_postgresql[lesson]
    for one in lessons.load(lesson).exercises:
        names = list(inspect.signature(one.solution).parameters)
        if "pacs" in names:
            own = one.computed(one.solution, opened._editions.own)
            assert one.solution(*[getattr(opened, name) for name in names]) == own, one.name


def test_right_answers_in_the_dialect_of_postgresql(on_postgresql):
    opened = on_postgresql["cpas-06"]
    answers = {
        "MrExamsByMonth": """
            SELECT to_char(date_trunc('month', study_dt_local::timestamp), 'YYYY-MM') AS "Month",
            COUNT(*) FILTER (WHERE n_series > 0) FROM study WHERE deleted = 0 AND study_dt_local::timestamp >= '2024-01-01' AND extract(year FROM study_dt_local::timestamp) = 2024
            AND EXISTS (SELECT FROM series WHERE study_pk = study.pk AND modality = 'MR') GROUP BY 1""",
        "StoragePerModality": """SELECT modality, round(SUM(size_bytes) / 1000000000, 1) AS gigabytes FROM series
            WHERE created_utc::date BETWEEN '2024-01-01' AND '2024-12-31' GROUP BY modality""",
        "FastEnough": "SELECT study_uid, created_utc::timestamp FROM study WHERE created_utc LIKE '2025-04-06%' AND deleted = 0",
    }
    for name, sql in answers.items():
        verdict = _exercise(opened, name).judge((sql,), opened._editions)
        assert verdict.correct, (name, verdict)
    slow = "SELECT study_uid, created_utc FROM study WHERE date_trunc('day', created_utc::timestamp) = '2025-04-06' AND deleted = 0"
    assert _exercise(opened, "FastEnough").judge((slow,), opened._editions).label == "full scan"
    wide = "SELECT study_uid, created_utc FROM study WHERE created_utc >= '2025-01-01' AND substr(created_utc, 1, 10) = '2025-04-06' AND deleted = 0"
    assert _exercise(opened, "FastEnough").judge((wide,), opened._editions).label == "wide range"


@pytest.mark.parametrize("given", ["DROP TABLE study", "SELECT 1; COMMIT", "SELECT strftime('%Y', created_utc) FROM study", "SELECT 1 / 0"])
def test_what_postgresql_refuses_is_a_sentence_of_the_check(on_postgresql, given):
    verdict = _exercise(on_postgresql["cpas-06"], "StudiesInTheArchive").judge((given,), on_postgresql["cpas-06"]._editions)
    assert verdict.label == "refused" and len(verdict.message) > 30


def test_the_notebook_runs_on_postgresql(on_postgresql, address, monkeypatch):
    """All cells but those that ask for SQLite's plan, with which PostgreSQL has its own way."""
    monkeypatch.setattr(coursekit, "lesson", lambda *_, **__: on_postgresql["cpas-06"])
    names, refused = {}, []
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            try:
                exec(source, names)
            except DatabaseSaysNo as said:
                refused.append(source)
                assert "EXPLAIN alone" in str(said)
    assert len(refused) == 2 and all("EXPLAIN QUERY PLAN" in source for source in refused)
    assert "PostgreSQL" in repr(names["pacs"])


def test_the_second_opening_on_postgresql_is_quick(on_postgresql, address, monkeypatch, capsys):
    monkeypatch.setattr(Server, "_load", lambda *_: pytest.fail("the hospital is loaded once more"))
    opened = coursekit.lesson("cpas-06", version=1, seed=SEED, database=address)
    assert capsys.readouterr().err == ""            # no progress bar
    assert "PostgreSQL" in repr(opened) and "PostgreSQL" in opened._repr_html_()


VARIANTS = [one.name for one in lessons.load("cpas-06").exercises if "orthanc" in one.on]


@pytest.mark.parametrize("name", VARIANTS)
def test_each_question_on_orthanc_has_its_solution_and_feedback(on_orthanc, name):
    exercise, editions = _exercise(on_orthanc, f"{name}.on_orthanc"), on_orthanc._editions
    right = exercise.computed(exercise.solution, editions.own)
    assert exercise.judge((right,), editions).correct
    for way, feedback in exercise.wrong_ways.items():
        verdict = exercise.judge((exercise.computed(way, editions.own),), editions)
        assert (verdict.label, verdict.message) == (way.__name__, feedback)
    assert not any(re.search(r"2\.999\.\d", text) for text in (*exercise.wrong_ways.values(), *exercise.hints))


def test_the_lesson_on_orthanc_says_what_it_asks(on_orthanc, capsys):
    assert sum(isinstance(one._exercise.answer, Query) for one in on_orthanc._exercises) >= 4
    assert "does not hold" in repr(on_orthanc.q6.check("SELECT 1"))
    assert "Exercise 2 on this database" in repr(on_orthanc.q2.question())
    assert on_orthanc.ticket["patient_id"] == hospital().truth["case_17"]["patient_id"]


def test_the_notebooks_exercises_stay_as_they_are():
    """An exercise for Orthanc neither counts nor renumbers: it is earned by itself."""
    lesson = lessons.load("cpas-06")
    assert [one.number for one in lesson.exercises] == list(range(1, 10))
    assert all(one.on["orthanc"].number == one.number and one.on["orthanc"].name != one.name for one in lesson.exercises if one.on)


@pytest.mark.parametrize("lesson, database, says", [
    ("cpas-01", "postgresql://localhost/x", "does not ask the PACS database"), ("cpas-06", "oracle", "address of a PostgreSQL server"),
    ("cpas-06", 5, "address of a PostgreSQL server"), ("cpas-05", "orthanc", "cpas-06 has some"),
])
def test_a_database_that_does_not_fit_gets_one_sentence(lesson, database, says):
    with pytest.raises(CourseError) as caught:
        coursekit.lesson(lesson, database=database)
    assert says in str(caught.value)


def test_without_orthanc_one_sentence_says_so(monkeypatch):
    monkeypatch.setattr(orthanc.shutil, "which", lambda *_, **__: None)
    with pytest.raises(CourseError, match="not installed"):
        coursekit.lesson("cpas-06", database="orthanc", seed=6)
