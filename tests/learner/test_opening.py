"""A lesson as a learner has it in a notebook."""

import subprocess
import sys

import pytest

import coursekit
from coursekit import lessons
from coursekit.checking import Lesson, Number
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


class _Project:
    """A lesson that says only when asked what is wrong, on an edition of its own."""

    def __init__(self):
        self.lesson = Lesson("t-17", title="Project", version=1, minutes=1, objectives=["test"], edition=77, asked_only=True)

        @self.lesson.input
        def seed(hospital):
            return hospital.seed

        @self.lesson.exercise
        class Double:
            """What is the seed, doubled?"""

            answer = Number("doubled")

            def solution(seed):
                return 2 * seed

            def tripled(seed):
                return 3 * seed

            def halved(seed):
                return seed / 2

            def squared(seed):
                return seed**2

            wrong_ways = {tripled: "That is three times the seed.", halved: "That is half of it.", squared: "That is its square."}
            hints = ["one", "two", "three"]


def test_a_project_plays_at_its_own_edition_or_the_one_that_is_given():
    made = _Project().lesson
    opened = OpenLesson(made)
    assert opened.seed == 77 and opened._editions.own.studies == opening.OWN_STUDIES and opened.q1.check(154).correct
    another = OpenLesson(made, seed=78)
    assert another.seed == 78 and another.q1.check(156).correct and not another.q1.check(154).correct
    assert {one.seed for one in another._editions.all()[1:]} == set(opening.UNSEEN_SEEDS)
    for wrong in (-1, "x", 1.5):
        with pytest.raises(CourseError, match="seed is a whole number"):
            OpenLesson(made, seed=wrong)


def test_a_class_may_open_any_lesson_at_an_edition_of_its_own(monkeypatch):
    opened = coursekit.lesson("start", version=1, seed=5)
    assert opened._editions.own.seed == 5


def test_a_project_says_what_is_wrong_only_when_asked():
    exercise = OpenLesson(_Project().lesson).q1
    verdict = exercise.check(231)
    assert not verdict.correct and verdict.message == (
        "That is not right yet. To be told what is wrong with this answer, run `t17.q1.hint()`.")
    assert repr(exercise.hint()) == "About your last answer\nThat is three times the seed."
    assert [repr(exercise.hint()).splitlines()[0] for _ in range(4)] == ["Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3", "No more hints"]
    exercise.check(77**2)
    assert "its square" in repr(exercise.hint())
    exercise.check(38.5)
    assert exercise.check(154).correct and "No more hints" in repr(exercise.hint()), "a right answer has nothing to be told"
    # The record keeps the diagnosis for those who teach.
    assert [event["feedback"] for event in record.read() if event["event"] == "check"] == ["tripled", "squared", "halved", "correct"]


def test_what_can_not_be_read_a_project_says_at_once():
    exercise = OpenLesson(_Project().lesson).q1
    for given, words in (((None,), "a number"), ((1, 2), "takes 1 value"), ((...,), "in place of the")):
        assert words in exercise.check(*given).message
        assert "your last answer" not in repr(exercise.hint()), "the ladder, as nothing was kept back"


def test_to_be_told_what_was_wrong_is_a_hint_for_the_passport():
    for asked in (False, True):
        exercise = OpenLesson(_Project().lesson).q1
        exercise.check(231)
        if asked:
            exercise.hint()
        exercise.check(154)
        standing = record.summary(record.read())["t-17"]["Double"]
        assert standing.correct and standing.unaided is not asked and standing.hints == asked
        (record.home() / "progress.jsonl").unlink()


def test_a_check_of_many_systems_says_how_far_it_is(monkeypatch):
    said = []

    class Shown:
        def update(self, card):
            said.append(repr(card))

    monkeypatch.setattr(opening, "_in_a_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda card, display_id=False: said.append(repr(card)) or Shown())
    OpenLesson(lessons.load("cpia-01")).q2.check(lambda scu: True)
    *progress, verdict = said
    count = int(progress[0].split()[0])
    begun = f"{count} systems that your tests are tried on, one after the other"
    assert progress == [begun, *(f"{begun}: {done} done" for done in range(1, count)), begun]      # nbval compares the first with the last
    assert "Not yet" in verdict
