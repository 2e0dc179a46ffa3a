from types import SimpleNamespace

from coursekit.learner.progress import table
from coursekit.learner.record import Standing


def lesson(id, title, **points):
    exercises = [SimpleNamespace(name=name, points=worth) for name, worth in points.items()]
    return SimpleNamespace(id=id, title=title, exercises=exercises)


LESSONS = [lesson("cpas-01", "Headers", First=1, Second=2), lesson("cpas-06", "Statistics", Third=3)]


def test_the_table_counts_by_lesson_and_in_all():
    standings = {"cpas-01": {"First": Standing(2, 1, False, True, 1), "Second": Standing(4, 3, True, False, 0)}}
    assert table(LESSONS, standings).splitlines() == [
        "Lesson   Title         Done  Points  Attempts  Hints  Solutions seen",
        "--------------------------------------------------------------------",
        "cpas-01  Headers     1 of 2  1 of 3         6      4               1",
        "cpas-06  Statistics  0 of 1  0 of 3         0      0               0",
        "--------------------------------------------------------------------",
        "         Total       1 of 3  1 of 6         6      4               1",
    ]


def test_points_for_exercises_that_are_gone_are_not_forgotten():
    standings = {"cpas-06": {"Gone": Standing(1, 0, False, True, 5)}}
    lines = table(LESSONS, standings).splitlines()
    assert "0 of 1" in lines[3]
    assert lines[-1] == "And 5 points for exercises that the course no longer has."


def test_before_the_first_exercise_all_is_zero():
    assert "0 of 3  0 of 6" in table(LESSONS, {}).splitlines()[-1]
