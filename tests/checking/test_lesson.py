"""A lesson as its author writes it; a verdict as its reader sees it."""

import subprocess
import sys

import hostile
import pytest

from coursekit.checking import Exercise, Lesson, Number, Outcome, Verdict
from coursekit.checking.lesson import Editions
from coursekit.checking.verdict import Card


def _parts(**changes):
    def one():
        return 8765.25

    def two():
        return 2

    def three():
        return 3

    def four():
        return 4

    parts = {"__doc__": "What?", "answer": Number("x"), "solution": one, "wrong_ways": {two: "2!", three: "3!", four: "4!"},
             "hints": ["a", "b", "c"]}
    parts.update(changes)
    return {name: value for name, value in parts.items() if value is not None}


def _lesson():
    return Lesson("t-01", title="Test", version=1, minutes=1, objectives=["test"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"solution": None}, "no `solution`"), ({"__doc__": ""}, "no question"), ({"hints": ["a"]}, "fewer than 3 hints"),
     ({"wrong_ways": {}}, "fewer than 3 wrong ways"), ({"answer": None}, "no `answer`")],
)
def test_an_incomplete_exercise_is_refused_when_it_is_defined(changes, words):
    with pytest.raises(ValueError, match=words):
        _lesson().exercise(type("Incomplete", (), _parts(**changes)))


class _Hospital:
    seed = 1


@pytest.mark.parametrize(("name", "make"), hostile.VALUES, ids=[name for name, _ in hostile.VALUES])
def test_a_hostile_value_is_refused_with_a_sentence(name, make):
    lesson = _lesson()
    lesson.exercise(type("Asked", (), _parts()))
    verdict = lesson.exercises[0].judge((make(),), Editions(_Hospital()))
    assert verdict.outcome is Outcome.NOT_YET, verdict
    assert len(verdict.message) > 10


def test_trouble_of_the_course_is_said_to_be_so():
    def broken():
        raise ZeroDivisionError

    lesson = _lesson()
    lesson.exercise(type("Broken", (), _parts(solution=broken)))
    verdict = lesson.exercises[0].judge((1,), Editions(_Hospital()))
    assert verdict.outcome is Outcome.TROUBLE and "not yours" in verdict.message


def test_grading_is_the_same_under_python_O():
    code = (
        "import sys; sys.path[:0] = [r'{tests}', r'{root}']\n"
        "from coursekit.checking import *\n"
        "from coursekit.checking.lesson import Editions\n"
        "l = Lesson('t', title='', version=1, minutes=1, objectives=[])\n"
        "parts = dict(__doc__='What?', answer=Number('x'), solution=lambda: 1, hints=['a', 'b', 'c'],\n"
        "             wrong_ways=dict([(lambda: 2, 'x'), (lambda: 3, 'y'), (lambda: 4, 'z')]))\n"
        "l.exercise(type('A', (), parts))\n"
        "class H: pass\n"
        "print([l.exercises[0].judge((v,), Editions(H())).outcome.name for v in (1, 2, 5, None, ...)])\n"
    )
    from pathlib import Path

    tests = Path(__file__).parents[1]
    code = code.replace("{tests}", str(tests)).replace("{root}", str(tests.parent))
    outputs = {
        subprocess.run([sys.executable, *flags, "-c", code], capture_output=True, text=True, check=True).stdout for flags in ([], ["-O"])
    }
    assert outputs == {"['CORRECT', 'NOT_YET', 'NOT_YET', 'NOT_YET', 'NOT_ANSWERED']\n"}


def test_no_check_relies_on_assert():
    from pathlib import Path

    import coursekit

    package = Path(coursekit.__file__).parent
    for path in package.rglob("*.py"):
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        assert not [line for line in lines if line.startswith("assert ")], path


def test_a_card_is_stable_text_and_safe_html():
    card = Verdict(Outcome.NOT_YET, "You gave `<script>alert(1)</script>`.", "x").card()
    assert repr(card) == "✗ Not yet\nYou gave `<script>alert(1)</script>`."
    assert "<script>" not in card._repr_html_() and "<code>&lt;script&gt;" in card._repr_html_()
    assert "✗ Not yet" in card._repr_html_()
    assert repr(Card("A solution", code="x = 1\ny = 2")) == "A solution\n\n    x = 1\n    y = 2"


def test_exercises_are_exercises():
    lesson = _lesson()
    lesson.exercise(type("Asked", (), _parts()))
    assert isinstance(lesson.exercises[0], Exercise) and lesson.exercises[0].handle == "q1" and lesson.variable == "t01"
