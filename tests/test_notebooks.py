"""Every notebook, run twice: as shipped, when it prints what is stored (nbval), and solved. And it is in step with its module."""

import re
import subprocess
import sys

import mistune
import nbformat
import pytest

from coursekit import authoring, lessons, shipped

ENTRIES = lessons.catalogue()
EVERY = pytest.mark.parametrize("entry", ENTRIES, ids=[entry.id for entry in ENTRIES])


def _path(entry):
    return shipped.notebooks() / entry.notebook


def test_every_notebook_is_in_the_catalogue():
    there = {path.relative_to(shipped.notebooks()).as_posix() for path in shipped.notebooks().rglob("*.ipynb")
             if ".ipynb_checkpoints" not in path.parts}
    assert there == {str(entry.notebook) for entry in ENTRIES}


@EVERY
def test_the_module_and_the_notebook_have_the_same_name(entry):
    assert entry.module.rsplit(".", 1)[1] == entry.notebook.stem.removeprefix("0_")
    assert lessons.load(entry.id).id == entry.id
    assert lessons.load(entry.id).title == entry.title


@EVERY
def test_the_notebook_is_in_step_with_its_module(entry):
    notebook, lesson = authoring.read(_path(entry)), lessons.load(entry.id)
    fresh = authoring.refreshed(notebook, lesson)
    assert [cell.source for cell in notebook.cells] == [cell.source for cell in fresh.cells]
    call = f'{lesson.variable} = lesson("{lesson.id}", version={lesson.version})'
    assert any(call in cell.source for cell in notebook.cells), f"no cell holds {call}"


@EVERY
def test_a_drifted_notebook_is_refused(entry):
    notebook, lesson = authoring.read(_path(entry)), lessons.load(entry.id)
    cell = next(cell for cell in notebook.cells if cell.get("id", "").startswith("question-"))
    cell.source += " changed by hand"
    fresh = authoring.refreshed(notebook, lesson)
    assert [cell.source for cell in notebook.cells] != [cell.source for cell in fresh.cells]


@EVERY
def test_the_notebook_is_clean(entry):
    notebook = authoring.read(_path(entry))
    nbformat.validate(notebook)
    assert authoring.problems(notebook) == []
    assert notebook == authoring.cleaned(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for cell in notebook.cells:
        assert not cell.metadata.get("tags"), "no cell is left out of the comparison"
        assert "NBVAL" not in cell.source
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                text = output.data["text/plain"]
                assert len(text) > 40 and "<" not in text[:1], f"a picture without a description: {text}"
        if cell.cell_type == "markdown":
            shown = re.sub(r"<(pre|code)>.*?</\1>|\$[^$]*\$|<[^>]*>", "", mistune.html(cell.source), flags=re.DOTALL)
            assert not re.search(r"\w\*|\*\w", shown), "an emphasis that the page would show as a star"
        else:
            long = [line for line in cell.source.split("\n") if len(line) > 112]
            assert not long, "a line of code that a laptop's JupyterLab cuts off"
    text = _path(entry).read_bytes()
    assert b"\r" not in text


@EVERY
def test_as_shipped_the_notebook_gives_its_stored_outputs(entry, tmp_path):
    notebook = authoring.read(_path(entry))
    printed = str(authoring.text_outputs(notebook))
    assert printed.count("Not answered yet") >= len(lessons.load(entry.id).exercises) - (1 if entry.id == "start" else 0)
    authoring.write(notebook, tmp_path / entry.notebook.name)
    _nbval(tmp_path / entry.notebook.name, tmp_path)


@EVERY
def test_solved_every_check_is_correct(entry):
    lesson = lessons.load(entry.id)
    notebook = authoring.solved(authoring.read(_path(entry)), lesson)
    notebook = authoring.cleaned(authoring.executed(notebook, seconds=600))
    assert authoring.problems(notebook) == []
    for cell in notebook.cells:
        if cell.get("id", "").startswith("answer-"):
            shown = str(authoring.text_outputs(nbformat.v4.new_notebook(cells=[cell])))
            assert "✓ Correct" in shown, f"{cell.id}: {shown}"


def _nbval(path, folder):
    """Run one notebook under nbval, strictly: every cell's output is compared with the stored one."""
    # Without the grammars of addresses that jsonschema would read each time, for a second, and never need.
    begin = "import sys; sys.modules['rfc3987_syntax'] = None; import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    command = [sys.executable, "-c", begin, "--nbval", "--nbval-current-env", "--nbval-cell-timeout=600", "-q",
               "-p", "no:cacheprovider", "-p", "no:xdist", str(path)]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8")
    cells = sum(cell.cell_type == "code" for cell in authoring.read(path).cells)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-1000:]
    assert f"{cells} passed" in ran.stdout, ran.stdout[-500:]
