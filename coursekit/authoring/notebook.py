"""Notebooks as data: put the exercises in, solve them, run them, clean them, write them."""

import copy
import os
import re
import tempfile
from pathlib import Path

import nbformat

from coursekit import lessons, shipped
from coursekit.errors import CourseError

_PLACEHOLDER = re.compile(r"exercise\s+(\w+)")
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_UNSTABLE = ("application/vnd.jupyter.widget-view+json",)  # names a widget by a number that changes from run to run


def author(ids, say=print):
    """Bring the notebooks of these lessons up to date: exercises from the module, run, cleaned, written.

    Raises CourseError, and writes nothing, when a notebook lacks an exercise, a cell fails or prints to stderr.
    """
    for id in ids:
        entry = lessons.entry(id)
        path = shipped.notebooks() / entry.notebook
        notebook = refreshed(read(path), lessons.load(id))
        say(f"{entry.id}: running {entry.notebook.name} ...")
        notebook = cleaned(executed(notebook))
        found = problems(notebook)
        if found:
            raise CourseError(f"{entry.notebook.name} was not written: {found[0]}")
        write(notebook, path)
        say(f"{entry.id}: written, {len(notebook.cells)} cells.")


def read(path):
    """The notebook at a path."""
    return nbformat.read(Path(path), as_version=4)


def write(notebook, path):
    """Write a notebook with LF line ends on every system, through a temporary file beside it."""
    path = Path(path)
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(nbformat.writes(notebook, version=4) + "\n", encoding="utf-8", newline="\n")
    os.replace(temporary, path)


def refreshed(notebook, lesson):
    """A copy whose exercise cells are those of the lesson.

    A Markdown cell `exercise Name` becomes the question and the answer cell; later they are known by their cell ids.
    Raises CourseError when an exercise is missing, is there twice, or when their order is not the lesson's.
    """
    notebook = copy.deepcopy(notebook)
    exercises = {exercise.name: exercise for exercise in lesson.exercises}
    cells, seen = [], []
    for cell in notebook.cells:
        part, _, name = cell.get("id", "").partition("-")
        match = _PLACEHOLDER.fullmatch(cell.source.strip()) if cell.cell_type == "markdown" else None
        if match:
            name = match[1]
            if name not in exercises:
                raise CourseError(f"The notebook asks for an exercise {name}, but lesson {lesson.id} has none of that name.")
            cells += _exercise_cells(exercises[name], lesson)
            seen.append(name)
        elif part in ("question", "answer"):
            if name in exercises:
                fresh = _exercise_cells(exercises[name], lesson)
                cell.source = fresh[0 if part == "question" else 1].source
                cells.append(cell)
                seen += [name] if part == "question" else []
        else:
            cells.append(cell)
    if seen != list(exercises):
        missing = [name for name in exercises if name not in seen]
        raise CourseError(
            f"The notebook of {lesson.id} lacks the exercise {missing[0]}: add a Markdown cell `exercise {missing[0]}`."
            if missing
            else f"The exercises in the notebook of {lesson.id} are not in the order of the module: {', '.join(seen)}."
        )
    notebook.cells = cells
    return notebook


def _exercise_cells(exercise, lesson):
    question = nbformat.v4.new_markdown_cell(exercise.question_text(), id=f"question-{exercise.name}")
    answer = nbformat.v4.new_code_cell(exercise.answer_text(lesson.variable), id=f"answer-{exercise.name}")
    return [question, answer]


def solved(notebook, lesson):
    """A copy with the reference solution in every answer cell, and without outputs."""
    notebook = copy.deepcopy(notebook)
    for exercise in lesson.exercises:
        for cell in notebook.cells:
            if cell.get("id") == f"answer-{exercise.name}":
                cell.source = exercise.solved_text(lesson.variable)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def executed(notebook, seconds=120):
    """A copy that has been run from top to bottom in a kernel of its own, in an empty folder, with an empty progress record.

    A cell that fails keeps its error as output; `problems` names it.
    """
    from nbclient import NotebookClient

    notebook = copy.deepcopy(notebook)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "COURSEKIT_HOME": folder, "PYTHONHASHSEED": "0", "COLUMNS": "100"}
        client = NotebookClient(
            notebook, timeout=seconds, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": folder}},
            coalesce_streams=True,      # a busy kernel says in two pieces what a cell has printed
            iopub_timeout=60,           # after which nbclient would go on without the rest of what it says
        )
        client.execute(env=environment, cwd=folder)
    return notebook


def cleaned(notebook):
    """A copy with nothing that changes from run to run: no timings, no widget ids, no kernel's version."""
    notebook = copy.deepcopy(notebook)
    notebook.metadata = nbformat.from_dict(_METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {})
        for output in cell.get("outputs", []):
            for kind in _UNSTABLE:
                output.get("data", {}).pop(kind, None)
            if "metadata" in output:
                output.metadata = nbformat.from_dict(
                    {kind: what for kind, what in output.metadata.items() if kind in output.get("data", {})}
                )
    return notebook


def problems(notebook):
    """What is wrong with an executed notebook, as sentences."""
    found = []
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        if cell.source.strip() and cell.execution_count is None:
            found.append(f"code cell {place} was never run")
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"code cell {place} ends in {output.ename}: {output.evalue}")
            if output.output_type == "stream" and output.name == "stderr":
                found.append(f"code cell {place} prints to stderr: {output.text.strip()[:200]}")
    return found


def text_outputs(notebook):
    """Everything a notebook prints, cell by cell, as text; pictures by their descriptions."""
    return [
        [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]
