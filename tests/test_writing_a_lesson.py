"""docs/writing-a-lesson.md, carried out to the letter in a copy of the project: it yields a working exercise."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from coursekit import shipped

ROOT = shipped.notebooks().parent
PAGE = (ROOT / "docs" / "writing-a-lesson.md").read_text(encoding="utf-8")
MODULE = Path("coursekit/lessons/cpas_01_headers_and_pixel_data.py")
NOTEBOOK = Path("notebooks/1_associate/cpas_01_headers_and_pixel_data.ipynb")


def _block(language, holding):
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return next(block for marked, block in blocks if marked == language and holding in block)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project") / "copy"
    unneeded = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".ipynb_checkpoints", "my-coursekit", ".pytest_cache")
    shutil.copytree(ROOT, folder, ignore=unneeded)
    module = (folder / MODULE).read_text(encoding="utf-8")
    module = re.sub(r"version=(\d+)", lambda match: f"version={int(match[1]) + 1}", module, count=1)
    (folder / MODULE).write_text(module + "\n\n" + _block("python", "class PixelDataBytes"), encoding="utf-8")
    notebook = nbformat.read(folder / NOTEBOOK, as_version=4)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    first.source = re.sub(r"version=(\d+)", lambda match: f"version={int(match[1]) + 1}", first.source)
    notebook.cells.append(nbformat.v4.new_markdown_cell(_block("", "exercise PixelDataBytes").strip()))
    nbformat.write(notebook, folder / NOTEBOOK)
    return folder


def _run(project, *command):
    environment = {**os.environ, "PYTHONPATH": str(project)}
    return subprocess.run([sys.executable, "-m", *command], cwd=project, env=environment, capture_output=True, text=True, encoding="utf-8")


def test_the_page_yields_a_working_exercise(project):
    command = _block("", "coursekit author").split()
    ran = _run(project, *command)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    notebook = nbformat.read(project / NOTEBOOK, as_version=4)
    question, answer = notebook.cells[-2:]
    assert question.source.splitlines()[2] in PAGE
    assert answer.source.startswith("pixel_bytes = ...") and "Not answered yet" in str(answer.outputs)
    ran = _run(project, "pytest", "tests/lessons/test_exercises.py", "-q", "-p", "no:cacheprovider", "-k", "PixelDataBytes")
    assert ran.returncode == 0 and re.search(r"\b[6-9] passed", ran.stdout), ran.stdout[-3000:]


def test_every_kind_of_answer_is_on_the_page():
    from coursekit import checking

    for name in checking.__all__:
        if isinstance(getattr(checking, name), type) and issubclass(getattr(checking, name), checking.Kind) and name != "Kind":
            assert f"| `{name}(" in PAGE, name
