"""start.py: what it does with .venv in each state that it may find it in. CI's own run proves the installation."""

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

START = Path(__file__).resolve().parents[1] / "start.py"


@pytest.fixture
def start(tmp_path):
    """start.py in a folder of its own with a project; it notes down what it would make, install and run."""
    root = tmp_path / "the course"
    root.mkdir()
    shutil.copy(START, root)
    (root / "pyproject.toml").write_text("one")
    specification = importlib.util.spec_from_file_location("start", root / "start.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    module.done = []

    def make():
        shutil.rmtree(module.VENV, ignore_errors=True)
        os.mkdir(module.VENV)
        module.done.append("make")

    module.make_venv = make
    module.install = lambda project: module.done.append(project)
    module.run = lambda command: module.done.append(command[1:]) or 5
    module.works = lambda: os.path.isdir(module.VENV)
    return module


LAB = ["-m", "coursekit", "lab"]
TESTS = ["-m", "pytest", "-n", "3"]


def test_the_first_time_everything_is_made_and_the_second_time_nothing(start, capsys):
    assert start.main([]) == 5
    assert start.done == ["make", ".", LAB]
    assert "Step 2 of 3" in capsys.readouterr().out
    start.done.clear()
    assert start.main([]) == 5
    assert start.done == [LAB]


def test_tests_install_their_extra_once_and_keep_it_for_the_course(start):
    start.main([])
    start.done.clear()
    start.main(["test", "-k", "cpas-06"])
    start.main(["test"])
    start.main([])
    start.main(["progress"])
    assert start.done == [".[test]", [*TESTS, "-k", "cpas-06"], TESTS, LAB, ["-m", "coursekit", "progress"]]


def test_a_changed_project_is_installed_again(start):
    start.main([])
    Path(start.ROOT, "pyproject.toml").write_text("two")
    start.done.clear()
    start.main([])
    start.main([])
    assert start.done == [".", LAB, LAB]


def test_an_interrupted_installation_starts_from_nothing(start):
    def interrupted(project):
        raise KeyboardInterrupt

    install, start.install = start.install, interrupted
    with pytest.raises(KeyboardInterrupt):
        start.main([])
    start.install = install
    start.done.clear()
    start.main([])
    assert start.done == ["make", ".", LAB]


def test_a_failed_installation_is_tried_again(start):
    def failing(project):
        raise start.Stop("no internet")

    install, start.install = start.install, failing
    with pytest.raises(start.Stop):
        start.main([])
    start.install = install
    start.main([])
    assert start.done[-2:] == [".", LAB]


@pytest.mark.parametrize("stamp", ["", "{", "[]", "null", "{}"])
def test_a_damaged_stamp_means_install_again(start, stamp):
    start.main([])
    Path(start.STAMP).write_text(stamp)
    start.done.clear()
    start.main([])
    assert start.done == [".", LAB]


def test_a_venv_that_was_moved_here_or_does_not_run_is_made_anew(start):
    start.main([])
    stamp = json.loads(Path(start.STAMP).read_text())
    Path(start.STAMP).write_text(json.dumps({**stamp, "folder": "elsewhere"}))
    start.done.clear()
    start.main([])
    assert start.done == ["make", ".", LAB]
    start.works = lambda: False
    start.done.clear()
    start.main([])
    assert start.done == ["make", ".", LAB]


def test_two_at_once_do_not_disturb_each_other(start):
    with start.alone(), pytest.raises(start.Stop, match="in another window"):
        start.main([])
    assert start.done == []
    start.main([])
    assert start.done == ["make", ".", LAB]


def test_what_would_mislead_python_is_kept_away(start, monkeypatch):
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_USER"):
        monkeypatch.setenv(name, "elsewhere")
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example")
    environment = start.environment()
    assert not {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET"} & set(environment)
    assert (environment["PIP_USER"], environment["HTTPS_PROXY"]) == ("0", "proxy.example")


def test_an_old_python_can_read_it_and_is_told(start, monkeypatch):
    tree = ast.parse(START.read_text(encoding="utf-8"), feature_version=(3, 4))
    newer = (ast.JoinedStr, ast.NamedExpr, ast.AnnAssign, ast.Nonlocal, ast.AsyncFunctionDef, ast.Match)
    assert not [node for node in ast.walk(tree) if isinstance(node, newer)]
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.cause]
    monkeypatch.setattr(sys, "version_info", (3, 9, 6, "final", 0))
    with pytest.raises(start.Stop, match="needs Python 3.11 or newer; this is Python 3.9"):
        start.main([])
    assert start.done == []


def real(root, *arguments, **variables):
    """Run the start.py of a folder, from another folder."""
    return subprocess.run(
        [sys.executable, str(root / "start.py"), *arguments],
        cwd=root.parent,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def root(tmp_path):
    """A course that needs nothing and whose command tells who it is and what it got."""
    root = tmp_path / "a course"
    (root / "coursekit").mkdir(parents=True)
    shutil.copy(START, root)
    (root / "coursekit" / "__init__.py").touch()
    who = "import os, sys; print(sys.prefix, os.getcwd(), sys.argv[1:]); sys.exit(6)"
    (root / "coursekit" / "__main__.py").write_text(who)
    return root


def pretend_installed(root):
    """Put into .venv what start.py leaves after an installation, so that it does not need an index."""
    code = "import sys; sys.path.insert(0, '.'); import start\nstart.install = lambda project: None\nstart.set_up('')"
    (root / "pyproject.toml").write_text("one")
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True, capture_output=True)


def test_for_real_with_a_half_made_venv_from_another_folder_and_with_another_venv_active(root, tmp_path):
    (root / ".venv").mkdir()
    (root / ".venv" / "half").touch()
    pretend_installed(root)
    assert not (root / ".venv" / "half").exists()
    ended = real(root, "doctor", VIRTUAL_ENV="elsewhere", PYTHONPATH=str(tmp_path / "elsewhere"), PYTHONHOME="")
    assert ended.returncode == 6, ended.stderr
    assert ended.stdout.split("\n")[-2] == f"{root.resolve() / '.venv'} {root.resolve()} ['doctor']"


def test_for_real_without_the_venv_module_it_says_what_to_install(root, tmp_path):
    code = (
        "import sys; sys.modules['ensurepip'] = None; sys.argv = ['start.py']\n"
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name: None if name == 'ensurepip' else find(name)\n"
        "import runpy; runpy.run_path('start.py', run_name='__main__')"
    )
    (root / "pyproject.toml").write_text("one")
    ended = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "apt install python3-venv" in ended.stderr


def test_for_real_a_failed_installation_says_so_and_passes_the_failure_on(root):
    (root / "pyproject.toml").write_text("this is no TOML")
    ended = real(root)
    assert ended.returncode == 1
    assert "The installation did not succeed" in ended.stderr
    assert "Traceback" not in ended.stderr
