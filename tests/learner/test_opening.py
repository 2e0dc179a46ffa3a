"""A lesson as a learner has it in a notebook."""

import subprocess
import sys

import pytest

import coursekit
from coursekit import lessons
from coursekit.checking import Lesson
from coursekit.errors import CourseError
from coursekit.learner import opening, record
from coursekit.learner.opening import OpenLesson


@pytest.fixture
def start():
    return OpenLesson(lessons.load("start"), version=lessons.load("start").version)


def test_a_lesson_shows_itself_when_it_is_opened(capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    opened = coursekit.lesson("start", version=1)
    shown = capsys.readouterr().out
    assert "Start here (about 10 minutes)" in shown and "Progress: 0 of 3" in shown
    assert "0 of 3 exercises correct" in opened._repr_html_()


@pytest.mark.parametrize("id", ["cpas-1", "cpas 01", "nothing", "", None, 5])
def test_an_unknown_lesson_is_said_in_one_sentence(id):
    with pytest.raises(CourseError) as caught:
        coursekit.lesson(id)
    assert "The course has no lesson" in str(caught.value)
    assert caught.value._render_traceback_() == [str(caught.value)]


def test_an_id_may_be_written_in_any_usual_way():
    assert lessons.entry("CPAS-06").id == lessons.entry("cpas_06").id == "cpas-06"


def test_answers_earn_points_once_and_are_remembered_tomorrow(start):
    assert not start.q1.check(25).correct
    verdict = start.q1.check(26)
    assert verdict.correct and verdict.points == 1
    assert "1 of 3" in repr(start)
    tomorrow = OpenLesson(lessons.load("start"))
    assert "1 of 3" in repr(tomorrow)
    outcomes = [event["outcome"] for event in record.read() if event["event"] == "check"]
    assert outcomes == ["not yet", "correct"]


def test_untouched_is_not_recorded(start):
    start.q1.check(...)
    assert record.read() == []


def test_the_hint_ladder_has_an_end(start):
    shown = [repr(start.q1.hint()) for _ in range(4)]
    assert [text.splitlines()[0] for text in shown] == ["Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3", "No more hints"]
    assert sum(event["event"] == "hint" for event in record.read()) == 3


def test_after_the_solution_an_answer_is_right_but_earns_nothing(start):
    assert "device_count = len(devices)" in repr(start.q1.solution())
    verdict = start.q1.check(26)
    assert verdict.correct and verdict.points == 0 and "no points" in verdict.message
    again = OpenLesson(lessons.load("start"))
    assert again.q1.check(26).points == 0


def test_a_solution_looked_at_after_the_answer_costs_nothing(start):
    assert start.q1.check(26).points == 1
    start.q1.solution()
    assert start.q1.check(26).points == 1


def test_an_older_or_newer_notebook_is_told_so(start):
    older = OpenLesson(lessons.load("start"), version=0)
    assert "made for version 0" in repr(older) and "coursekit lab" in repr(older) and "Please note" in older._repr_html_()
    newer = OpenLesson(lessons.load("start"), version=99)
    assert "Update the course" in repr(newer)
    assert "made for" not in repr(start)
    for opened, words in ((older, "made for version 0"), (newer, "Update the course"), (start, "q1 to q3")):
        for shown in (opened.q17.check(1), opened.q17.hint(), opened.q17.solution()):
            assert "has no q17" in repr(shown) and words in repr(shown)
        with pytest.raises(CourseError) as caught:
            opened.devises  # noqa: B018
        assert isinstance(caught.value, AttributeError) and "nothing called `devises`" in str(caught.value)
    assert not hasattr(start, "_ipython_canary_method_should_not_exist_")


def test_what_a_learner_does_to_an_input_reaches_no_solution(start):
    devices = start.devices
    devices["aet"] = "changed"
    assert start.q1.check(26).correct
    assert start.devices.aet.nunique() == 26


def test_a_record_that_cannot_be_used_is_said_once_and_stops_nothing(start, monkeypatch, capsys):
    def full(event):
        raise record.RecordProblem("The disk is full.")

    def unreadable():
        raise record.RecordProblem("The record can't be read.")

    shown = []
    monkeypatch.setattr(opening, "_show", shown.append)
    monkeypatch.setattr(record, "append", full)
    assert start.q1.check(26).correct and start.q2.check("HV_PACS").correct
    assert len(shown) == 1 and "The disk is full." in repr(shown[0])
    monkeypatch.setattr(record, "read", unreadable)
    OpenLesson(lessons.load("start"))
    assert len(shown) == 2 and "can't be read" in repr(shown[1])


def test_completion_offers_exercises_and_inputs(start):
    assert dir(start) == ["devices", "q1", "q2", "q3"]
    assert "Use .check(device_count), .hint() or .solution()" in repr(start.q1)


def test_a_notebook_of_another_version_runs_from_top_to_bottom():
    """Every kind of cell of a notebook whose lesson has lost an exercise: sentences, no exception."""
    code = (
        "from coursekit import lesson\n"
        "start = lesson('start', version=0)\n"
        "answer = ...\n"
        "print(start.q9.check(answer)); print(start.q9.hint()); print(start.q9.solution()); print(start.q1.check(1, 2))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0 and ran.stderr == ""
    assert ran.stdout.count("has no q9") == 3 and "takes 1 value" in ran.stdout


def test_the_variable_of_a_lesson_is_a_name():
    assert Lesson("cpas-06", "", 1, 1, []).variable == "cpas06"
