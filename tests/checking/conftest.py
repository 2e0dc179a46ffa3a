"""A lesson that asks one question, on a hospital with one small table."""

import sqlite3

import pytest

from coursekit.checking import Lesson
from coursekit.checking.lesson import Editions
from coursekit.errors import CourseError


class SmallDatabase:
    def __init__(self, rows):
        self._studies = rows

    def rows(self, sql, seconds, most):
        connection = self._filled()
        try:
            cursor = connection.execute(sql)
            return [column[0] for column in cursor.description], cursor.fetchmany(most)
        except sqlite3.Error as problem:
            raise CourseError(f"The database says: {problem}.") from None
        finally:
            connection.close()

    def scanned(self, sql):
        steps = [row[-1] for row in self.rows(f"EXPLAIN QUERY PLAN {sql}", seconds=1, most=10)[1]]
        return "study" if any(step.startswith("SCAN") for step in steps) else ""

    def visited(self, sql):
        return 5000 if "'2025-01-01'" in sql else 10                         # a wide range is known by its beginning

    def _filled(self):
        connection = sqlite3.connect(":memory:")
        connection.execute("CREATE TABLE study (pk INTEGER PRIMARY KEY, modality TEXT, created_utc TEXT)")
        connection.execute("CREATE INDEX study_created ON study (created_utc)")
        connection.executemany("INSERT INTO study VALUES (?, ?, ?)", self._studies)
        connection.commit()
        connection.execute("PRAGMA query_only = ON")
        return connection


class SmallHospital:
    def __init__(self, seed):
        self.seed = seed
        self.pacs = SmallDatabase([
            (place, ("CT", "MR", "US")[(place * (seed + 2)) % 3], f"2025-03-{1 + place % 31:02d} 10:00:00") for place in range(1, 41)
        ])


@pytest.fixture
def ask():
    """ask(kind, solution, cases=None, **wrong ways with their feedback) -> check(*answer), a Verdict."""

    def make(kind, solution, ways=(), cases=None, points=1, **more):
        lesson = Lesson("t-01", title="Test", version=1, minutes=1, objectives=["test"])
        ways = dict(ways)
        parts = {"answer": kind, "solution": solution, "wrong_ways": ways, "hints": ["one", "two", "three"],
                 "points": points, "cases": cases, "__doc__": "What?", **more}
        while len(ways) < 3:
            filler = _filler(solution, len(ways))
            ways[filler] = f"filler {len(ways)}"
        lesson.exercise(type("Asked", (), parts))
        editions = Editions(SmallHospital(0), lambda: [SmallHospital(1)])
        exercise = lesson.exercises[0]

        def check(*answer):
            return exercise.judge(answer, editions)

        check.exercise, check.editions = exercise, editions
        return check

    return make


def _filler(solution, number):
    """A wrong way that equals the solution: it's never reached, because a right answer is not diagnosed."""

    def filler(*arguments):
        return solution(*arguments)

    filler.__signature__ = __import__("inspect").signature(solution)
    filler.__name__ = f"filler{number}"
    return filler
