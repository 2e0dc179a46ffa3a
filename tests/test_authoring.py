"""The authoring command's parts, on small notebooks."""

import nbformat
import pytest

from coursekit import authoring
from coursekit.checking import Function, Lesson, Number
from coursekit.errors import CourseError

code, markdown = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell


@pytest.fixture
def lesson():
    made = Lesson("t-01", title="Test", version=1, minutes=1, objectives=["test"])

    @made.exercise
    class Area:
        """How many pixels?"""

        answer = Number("pixels")

        def solution(rows, columns):
            # the area of a rectangle
            area = rows * columns
            return area

        def one():
            return 1

        def two():
            return 2

        def three():
            return 3

        wrong_ways = {one: "1!", two: "2!", three: "3!"}
        hints = ["a", "b", "c"]

    @made.exercise
    class Double:
        """Write `double`."""

        answer = Function("double", result=Number())

        def solution(value, times=2):
            return value * times

        def same(value, times=2):
            return value

        def square(value, times=2):
            return value * value

        def half(value, times=2):
            return value / 2

        wrong_ways = {same: "1!", square: "2!", half: "3!"}
        hints = ["a", "b", "c"]

    return made


def _notebook(*cells):
    return nbformat.v4.new_notebook(cells=list(cells))


def test_placeholders_become_question_and_answer_and_stay_in_step(lesson):
    first = authoring.refreshed(_notebook(markdown("Hello"), markdown("exercise Area"), markdown(" exercise Double\n")), lesson)
    assert [cell.id for cell in first.cells[1:]] == ["question-Area", "answer-Area", "question-Double", "answer-Double"]
    assert first.cells[1].source == "### Exercise 1\n\nHow many pixels?\n\n*q1 · 1 point*"
    assert first.cells[2].source == "pixels = ...\n\nt01.q1.check(pixels)"
    assert first.cells[4].source == "def double(value, times=2):\n    ...\n\nt01.q2.check(double)"
    first.cells[1].source = "changed by hand"
    assert authoring.refreshed(first, lesson).cells[1].source.startswith("### Exercise 1")
    assert first.cells[1].source == "changed by hand", "the notebook that was given stays as it is"


def test_the_solved_notebook_has_the_solutions_own_source(lesson):
    notebook = authoring.refreshed(_notebook(markdown("exercise Area"), markdown("exercise Double")), lesson)
    solved = authoring.solved(notebook, lesson)
    assert solved.cells[1].source == (
        "# the area of a rectangle\narea = rows * columns\npixels = area\n\nt01.q1.check(pixels)"
    )
    assert solved.cells[3].source == "def double(value, times=2):\n    return value * times\n\nt01.q2.check(double)"


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        (["exercise Area"], "lacks the exercise Double"),
        (["exercise Double", "exercise Area"], "not in the order"),
        (["exercise Area", "exercise Area", "exercise Double"], "not in the order"),
        (["exercise Area", "exercise Double", "exercise Volume"], "none of that name"),
    ],
)
def test_a_notebook_that_does_not_fit_is_refused(lesson, sources, words):
    with pytest.raises(CourseError, match=words):
        authoring.refreshed(_notebook(*map(markdown, sources)), lesson)


def test_an_exercise_that_is_gone_leaves_the_notebook(lesson):
    notebook = authoring.refreshed(_notebook(markdown("exercise Area"), markdown("exercise Double")), lesson)
    notebook.cells.append(markdown("old", id="question-Volume"))
    notebook.cells.append(code("old", id="answer-Volume"))
    assert len(authoring.refreshed(notebook, lesson).cells) == 4


def test_what_is_wrong_with_a_run_is_named():
    notebook = authoring.executed(_notebook(code("1 / 0"), code("import sys; print('x', file=sys.stderr)"), code("2")))
    found = authoring.problems(notebook)
    assert len(found) == 2 and "ZeroDivisionError" in found[0] and "stderr" in found[1]
    assert "never run" in authoring.problems(_notebook(code("1")))[0]


def test_what_a_busy_kernel_says_in_pieces_is_one_output():
    source = "import sys, time\nfor part in 'abc':\n    print(part)\n    sys.stdout.flush()\n    time.sleep(0.3)"
    (cell,) = authoring.executed(_notebook(code(source))).cells
    assert [output.text for output in cell.outputs] == ["a\nb\nc\n"]


def test_cleaning_takes_out_what_changes_from_run_to_run():
    source = (
        "import ipywidgets\nfrom IPython.display import display\ndisplay(ipywidgets.IntSlider())\n'text'"
    )
    notebook = authoring.executed(_notebook(code(source)))
    cleaned = authoring.cleaned(notebook)
    assert "widget-view" in str(notebook) and "widget-view" not in str(cleaned.cells)
    assert "widgets" not in cleaned.metadata and cleaned.metadata.language_info == {"name": "python"}
    assert "timestamp" not in str(cleaned) and "iopub" not in str(cleaned)
    assert authoring.cleaned(cleaned) == cleaned


def test_writing_is_whole_and_has_unix_line_ends(tmp_path):
    path = tmp_path / "n.ipynb"
    authoring.write(_notebook(markdown("a\nb")), path)
    assert b"\r" not in path.read_bytes() and authoring.read(path).cells[0].source == "a\nb"
    assert [one.name for one in tmp_path.iterdir()] == ["n.ipynb"]
