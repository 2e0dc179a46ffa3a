import errno
import importlib.metadata
import os
import shutil
import socket
import sys
import tempfile
from types import SimpleNamespace

import pytest

from coursekit.learner import doctor
from coursekit.learner.doctor import Check


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """A folder of packages that doctor's Python sees; call it with name, version and code to add one."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def add(name, version, code, module=None):
        (tmp_path / f"{module or name}.py").write_text(code)
        info = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "RECORD").write_text(f"{module or name}.py,,\n")

    return add


def test_a_good_package_is_ok(packages):
    packages("goodpackage", "1.10.0", "")
    assert doctor._package(("goodpackage", "1.9"))() == Check("ok", "goodpackage 1.10.0")


def test_a_package_whose_module_has_another_name_is_found(packages):
    packages("other-name", "1.0", "raise SystemError('found it')", module="quite_different")
    assert "found it" in doctor._package(("other-name", "1.0"))().said


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("raise SystemError('wrong wheel')", "SystemError: wrong wheel"),
        ("import sys; sys.exit(3)", "exit code 3"),
        ("import os; os.abort()", "exit code"),
        ("not Python!", "SyntaxError"),
    ],
)
def test_a_broken_package_is_told_and_harms_nobody(packages, code, why):
    packages("brokenpackage", "2.0", code)
    found = doctor._package(("brokenpackage", "1.0"))()
    assert found.state == "problem"
    assert found.said.startswith("brokenpackage 2.0 is installed but can't be loaded:")
    assert why in found.said
    assert found.advice


def test_an_old_and_a_missing_package_are_told(packages):
    packages("oldpackage", "1.2", "")
    assert doctor._package(("oldpackage", "1.10"))().said == "oldpackage 1.2 is too old: 1.10 or newer is needed."
    assert doctor._package(("no-such-package", "1"))().said == "no-such-package is not installed."


def test_the_lower_bounds_come_from_the_installed_course(monkeypatch):
    lines = ["pandas>=2.2.3", "numpy >= 2.1", 'pytest>=8.3; extra == "test"']
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: lines if name == "coursekit" else None)
    assert doctor._requirements() == [("pandas", "2.2.3"), ("numpy", "2.1")]


def test_a_course_that_is_not_installed_is_a_problem(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", missing)
    monkeypatch.setattr(importlib.metadata, "version", missing)
    findings = [doctor._package(requirement)() for requirement in doctor._requirements()]
    assert [finding.said for finding in findings] == ["coursekit is not installed."]


@pytest.mark.parametrize(("left", "right"), [("3.0", "3.0.0"), ("2.0.0", "2")])
def test_versions_that_are_the_same(left, right):
    assert doctor._numbers(left) == doctor._numbers(right)


def test_an_old_python_is_told(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 2))
    assert doctor._python().state == "problem"


def test_folders_that_can_be_written_are_ok_and_stay_as_they_are(tmp_path):
    assert doctor._writable("folder", tmp_path / "not" / "yet", "").state == "ok"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_can_not_be_written_is_told(tmp_path, monkeypatch):
    def refuse(**_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    found = doctor._writable("working folder", tmp_path, "Take another.")
    said = f"The working folder, {tmp_path}, can't be written: the disk can only be read."
    assert found == Check("problem", said, "Take another.")


def test_a_file_instead_of_the_folder_is_told(tmp_path):
    (tmp_path / "mine").write_text("")
    assert doctor._writable("working folder", tmp_path / "mine", "Take another.").state == "problem"


@pytest.mark.parametrize(("megabytes", "state"), [(5, "problem"), (300, "advice"), (5000, "ok")])
def test_little_room_on_the_disk_is_told(tmp_path, monkeypatch, megabytes, state):
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=megabytes * 1_000_000))
    assert doctor._space(tmp_path / "not" / "yet").state == state


def test_the_loopback_works_here_and_its_failure_is_told(monkeypatch):
    assert doctor._loopback().state == "ok"

    def refuse(*_, **__):
        raise PermissionError("blocked")

    monkeypatch.setattr(socket, "create_server", refuse)
    assert "blocked" in doctor._loopback().said


def test_a_localhost_that_leads_elsewhere_is_told(monkeypatch):
    assert doctor._localhost().state == "ok"
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [(2, 1, 6, "", ("192.0.2.1", 0))])
    assert doctor._localhost().said == "The name localhost leads to 192.0.2.1."


def test_a_kernel_answers():
    assert doctor._kernel().state == "ok"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise RuntimeError('no kernel')", "RuntimeError: no kernel"),
        ("pass", "it said nothing"),
        ("""print('{"sum": "2", "prefix": "/another/python"}')""", "another Python, /another/python"),
    ],
)
def test_a_kernel_in_trouble_is_told(monkeypatch, code, said):
    monkeypatch.setattr(doctor, "_ASK_KERNEL", code)
    found = doctor._kernel()
    assert found.state == "problem"
    assert said in found.said


def test_missing_notebooks_are_told(monkeypatch, tmp_path):
    monkeypatch.setattr("coursekit.shipped.notebooks", lambda: tmp_path)
    assert doctor._notebooks().state == "problem"
    (tmp_path / "one.ipynb").write_text("{}")
    assert doctor._notebooks() == Check("ok", "The course has its notebooks: 1")


def test_a_check_that_fails_itself_does_not_end_the_others(monkeypatch, tmp_path):
    def fail():
        raise RuntimeError("quite unexpected")

    monkeypatch.setattr(doctor, "_requirements", lambda: [])
    for check in ("_kernel", "_dataset", "_python"):
        monkeypatch.setattr(doctor, check, fail)
    findings = list(doctor.examine(tmp_path))
    assert [finding.said for finding in findings].count("A check failed: RuntimeError: quite unexpected") == 3
    assert len(findings) == 9


def test_a_finding_says_its_state_in_words():
    assert str(Check("ok", "Fine")) == "ok       Fine"
    assert str(Check("problem", "Bad", "Mend it.")) == "PROBLEM  Bad\n         What to do: Mend it."
