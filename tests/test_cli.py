"""The command line, as a learner uses it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest

from coursekit import cli

ROOT = Path(__file__).resolve().parents[1]


def coursekit(*arguments, **variables):
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "coursekit", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def edition(monkeypatch):
    """A stand-in for the hospital's edition, so that no dataset has to be built."""
    fake = SimpleNamespace(default_folder=lambda: Path("the-default"), faults=[], built=[])
    fake.verify = lambda folder: fake.faults

    def build(folder, progress):
        for done in range(4):
            progress(done, 3, f"table {done}")
        fake.built.append(folder)

    fake.build = build
    monkeypatch.setitem(sys.modules, "coursekit.hospital.edition", fake)
    monkeypatch.setattr("coursekit.hospital.edition", fake, raising=False)
    return fake


def test_help_names_every_command():
    ended = coursekit("--help")
    assert ended.returncode == 0
    for command in ("lab", "doctor", "progress", "dataset", "author"):
        assert re.search(rf"^ +{command} ", ended.stdout, re.MULTILINE)


def test_help_and_the_package_load_nothing_heavy():
    code = "import sys; import coursekit.cli; coursekit.cli._parser().format_help(); print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = ended.stdout.split()
    assert "coursekit.cli" in loaded
    heavy = {"numpy", "pandas", "matplotlib", "pydicom", "IPython", "nbformat", "jupyterlab", "platformdirs", "tqdm"}
    assert not heavy & set(loaded)


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["lab", "--port", "0"], ["lab", "--port", "x"], ["dataset"]])
def test_a_wrong_command_is_told_with_exit_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "usage: coursekit" in capsys.readouterr().err


def test_expected_trouble_is_one_sentence_and_exit_code_1(tmp_path):
    (tmp_path / "file").write_text("")
    ended = coursekit("lab", str(tmp_path / "file"))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert len(ended.stderr.splitlines()) == 1
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("arguments", [["author"], ["author", "--all", "cpas-06"], ["author", "no-such-lesson"]])
def test_author_tells_what_it_needs(arguments, capsys):
    assert cli.main(arguments) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_author_hands_over_the_lessons(monkeypatch):
    from coursekit import authoring, lessons

    asked = []
    monkeypatch.setattr(authoring, "author", asked.append)
    assert cli.main(["author", "cpas-06", "cpas-01"]) == 0
    assert cli.main(["author", "--all"]) == 0
    assert asked == [["cpas-06", "cpas-01"], [entry.id for entry in lessons.catalogue()]]


@pytest.fixture
def one_lesson(monkeypatch):
    """A course of one lesson with two exercises."""
    from coursekit import lessons

    exercises = [SimpleNamespace(name="First", points=2), SimpleNamespace(name="Second", points=1)]
    lesson = SimpleNamespace(id="cpas-06", title="Statistics", exercises=exercises)
    monkeypatch.setattr(lessons, "catalogue", lambda: [lesson])
    monkeypatch.setattr(lessons, "load", {"cpas-06": lesson}.get)


def test_progress_shows_what_was_earned(one_lesson, capsys):
    from coursekit.learner import record

    record.append({"lesson": "cpas-06", "exercise": "First", "event": "check", "outcome": "correct", "points": 2})
    assert cli.main(["progress"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("cpas-06"))
    assert "1 of 2  2 of 3" in row


def test_a_record_that_can_not_be_read_is_told(one_lesson, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("COURSEKIT_HOME", str(tmp_path))
    (tmp_path / "progress.jsonl").mkdir()
    assert cli.main(["progress"]) == 1
    assert "can't be read" in capsys.readouterr().err


def test_dataset_verify(edition, capsys):
    assert cli.main(["dataset", "verify"]) == 0
    assert capsys.readouterr().out == "The dataset in the-default is whole.\n"
    edition.faults = ["people.csv differs", "exams.csv is missing"]
    assert cli.main(["dataset", "verify", "elsewhere"]) == 1
    assert capsys.readouterr().err.splitlines() == edition.faults


def test_dataset_build(edition, capsys):
    assert cli.main(["dataset", "build"]) == 0
    assert cli.main(["dataset", "build", "mine"]) == 0
    assert edition.built == [Path("the-default"), Path("mine")]
    assert "The dataset is in mine." in capsys.readouterr().out


def test_the_progress_bar_shows_what_is_being_done():
    with cli.Bar() as bar:
        bar.advance(1, 3, "studies")
        bar.advance(2, 3, "series")
        assert (bar.bar.n, bar.bar.total, bar.bar.desc) == (2, 3, "series: ")


def test_a_dataset_that_can_not_be_written_is_told(edition, capsys):
    def build(folder, progress):
        raise OSError(28, "No space left on device")

    edition.build = build
    assert cli.main(["dataset", "build"]) == 1
    assert "could not be written into the-default: the disk is full." in capsys.readouterr().err


def test_doctor_counts_problems(monkeypatch, capsys):
    from coursekit.learner import doctor

    findings = [doctor.Check("ok", "Fine"), doctor.Check("advice", "Hm"), doctor.Check("problem", "Bad", "Mend it.")]
    monkeypatch.setattr(doctor, "examine", lambda folder: findings)
    assert cli.main(["doctor"]) == 1
    assert capsys.readouterr().out.endswith("Problems found: 1.\n")
    findings.pop()
    assert cli.main(["doctor"]) == 0
    assert capsys.readouterr().out.endswith("Everything that the course needs is there.\n")


def test_ctrl_c_is_no_traceback(monkeypatch, capsys):
    from coursekit.learner import doctor

    def interrupted(folder):
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "examine", interrupted)
    assert cli.main(["doctor"]) == 130
    assert capsys.readouterr().err == "Stopped.\n"


def test_lab_starts_jupyterlab_on_the_loopback_with_the_start_page(monkeypatch, tmp_path, capsys):
    from coursekit.learner import workspace

    report = workspace.Report(tmp_path, total=1)
    monkeypatch.setattr(workspace, "update", lambda folder: report)
    monkeypatch.setattr(cli, "_run", lambda command, environment: asked.append((command, environment)) or 7)
    asked = []
    assert cli.main(["lab", str(tmp_path)]) == 1
    assert "choose another folder" in capsys.readouterr().err
    (tmp_path / "0_start_here.ipynb").write_text("{}")
    assert cli.main(["lab", str(tmp_path), "--no-browser", "--port", "9123"]) == 7
    command, environment = asked.pop()
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert {"--ServerApp.ip=127.0.0.1", "--no-browser", "--ServerApp.port=9123"} < set(command)
    assert "--LabApp.default_url=/lab/tree/0_start_here.ipynb" in command
    assert environment["JUPYTER_PREFER_ENV_PATH"] == "1"


def test_a_browser_is_opened_only_if_wanted(monkeypatch, tmp_path):
    from coursekit.learner import workspace

    (tmp_path / "0_start_here.ipynb").write_text("{}")
    monkeypatch.setattr(workspace, "update", lambda folder: workspace.Report(tmp_path))
    monkeypatch.setattr(cli, "_run", lambda command, environment: asked.extend(command) or 0)
    asked = []
    assert cli.main(["lab"]) == 0
    assert "--no-browser" not in asked


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_of_what_is_run_passes_through(code, restored_signals):
    assert cli._run([sys.executable, "-c", f"import sys; sys.exit({code})"], dict(os.environ)) == code


@pytest.fixture
def restored_signals():
    """What `_run` does to the signals of its process, which is about to end, must not stay in the test's."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


LAB = """
import sys
from pathlib import Path
from coursekit import cli, shipped
shipped.notebooks = lambda: Path(sys.argv[1])
sys.exit(cli.main(["lab", sys.argv[2], "--no-browser"]))
"""


def status(address):
    """The HTTP status of a page of a server that is about to listen."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 120
    while True:
        try:
            return direct.open(address, timeout=30).status
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@pytest.mark.skipif(os.name == "nt", reason="on Windows a test can't press Ctrl-C for another process alone")
def test_the_lab_opens_for_real_and_ends_on_ctrl_c(tmp_path):
    (tmp_path / "course").mkdir()
    page = '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    (tmp_path / "course" / "0_start_here.ipynb").write_text(page)
    lab = subprocess.Popen(
        [sys.executable, "-c", LAB, str(tmp_path / "course"), str(tmp_path / "mine")],
        env={**os.environ, "PYTHONPATH": str(ROOT), "JUPYTER_RUNTIME_DIR": str(tmp_path / "run")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        said = []
        for line in lab.stdout:
            said.append(line)
            address = re.search(r"http://127\.0\.0\.1:\d+/lab\S*token=\w+", line)
            if address:
                break
        assert said[0] == f"Your notebooks are in {tmp_path / 'mine'}.\n"
        assert address, "".join(said)
        assert "/lab/tree/0_start_here.ipynb?token=" in address[0]
        assert status(address[0]) == 200
        os.killpg(lab.pid, signal.SIGINT)
        rest = lab.communicate(timeout=120)[0]
        assert lab.returncode == 0, rest
        assert "Traceback" not in rest
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(lab.pid, signal.SIGKILL)  # JupyterLab too
    assert (tmp_path / "mine" / "0_start_here.ipynb").is_file()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no request to terminate that a process could pass on")
def test_a_request_to_terminate_is_passed_on():
    code = (
        "import sys, os; from coursekit.cli import _run\n"
        "sys.exit(_run([sys.executable, '-c', sys.argv[1]], dict(os.environ)))"
    )
    child = "import time; print('here', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code, child], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "here\n"
    process.terminate()
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    process.stdout.close()
