"""The package as others get it: its metadata, wheel, source archive and editable install."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONDA_NAMES = {"matplotlib": "matplotlib-base"}
REQUIREMENT = re.compile(r"(?P<name>[a-z0-9-]+)(?:\[binary\])?>=(?P<lowest>[0-9.]+)")


def build(kind, into):
    """Build with the project's own build backend; the path of what was built."""
    code = "import sys, hatchling.build as backend; print(getattr(backend, 'build_' + sys.argv[1])(sys.argv[2]))"
    ended = subprocess.run([sys.executable, "-c", code, kind, str(into)], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return into / ended.stdout.split()[-1]


def shipped_files():
    """What a clone has in notebooks/ and datasets/, as far as git knows or would know it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "notebooks", "datasets"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build("wheel", tmp_path_factory.mktemp("wheel"))


def requirements():
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
    return [REQUIREMENT.fullmatch(line) for line in wanted]


def test_dependencies_have_lower_bounds_only():
    assert all(requirements()), "a dependency is written name>=version and no more"
    names = [match["name"] for match in requirements()]
    assert len(names) == len(set(names))


def test_the_conda_environment_asks_for_the_same():
    lines = re.findall(r"^ +- (\S+)$", (ROOT / "environment.yml").read_text(encoding="utf-8"), re.MULTILINE)
    conda = [line for line in lines if line not in ("conda-forge", "nodefaults", "pip", "pip:")]
    wanted = [f"python{PROJECT['requires-python']}"]
    wanted += [f"{CONDA_NAMES.get(match['name'], match['name'])}>={match['lowest']}" for match in requirements()]
    assert sorted(conda) == sorted(wanted)


def test_the_wheel_holds_every_notebook_and_dataset_byte_for_byte(wheel):
    files = shipped_files()
    assert any(name.endswith(".ipynb") for name in files)
    assert any(name.startswith("datasets/") for name in files)
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
        assert {name for name in inside if name.startswith("coursekit/_shipped/")} == {
            f"coursekit/_shipped/{name}" for name in files
        }
        for name in files:
            assert archive.read(f"coursekit/_shipped/{name}") == (ROOT / name).read_bytes(), name


def test_the_wheel_holds_the_package_and_nothing_else_at_its_top(wheel):
    with zipfile.ZipFile(wheel) as archive:
        inside = archive.namelist()
    assert {name.split("/")[0] for name in inside} == {"coursekit", wheel.name.split("-py3")[0] + ".dist-info"}
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "coursekit").rglob("*.py")}
    assert modules <= set(inside)
    assert not [name for name in inside if "__pycache__" in name or ".ipynb_checkpoints" in name]


def test_an_installed_wheel_finds_what_it_ships(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "from coursekit import shipped; from coursekit.learner.workspace import update\n"
        "print(shipped.notebooks(), shipped.datasets(), sep='\\n'); print(len(update('mine').new))"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    notebooks, datasets, count = ended.stdout.splitlines()
    inside = tmp_path.resolve() / "coursekit" / "_shipped"
    assert [Path(notebooks), Path(datasets)] == [inside / "notebooks", inside / "datasets"]
    assert int(count) == sum(name.endswith(".ipynb") for name in shipped_files())


def test_an_editable_install_copies_nothing(tmp_path):
    with zipfile.ZipFile(build("editable", tmp_path)) as archive:
        inside = [name for name in archive.namelist() if ".dist-info/" not in name]
        assert len(inside) == 1
        assert inside[0].endswith(".pth")
        assert Path(archive.read(inside[0]).decode().strip()) == ROOT


def test_the_source_archive_is_complete(tmp_path):
    with tarfile.open(build("sdist", tmp_path)) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert shipped_files() <= inside
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-notebooks", "start.py", "environment.yml"):
        assert name in inside
    for folder in ("coursekit", "tests"):
        assert {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.py")} <= inside


def test_the_version_is_the_packages(wheel):
    import coursekit

    assert wheel.name.startswith(f"coursekit-{coursekit.__version__}-py3")


def test_no_lock_file_and_no_index_host():
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    ).stdout.split("\0")
    assert "uv.lock" not in listed
    # "[-]" and "[/]" so that this line is none of those that it looks for
    host = re.compile(r"(extra-)?index[-]url|find[-]links|https?://[^ \"]*[/]simple\b")
    texts = (".py", ".toml", ".yml", ".md", ".cfg", ".txt", "")
    paths = [ROOT / name for name in listed if name and Path(name).suffix in texts]
    assert ROOT / "pyproject.toml" in paths
    for path in paths:
        if path.is_file():
            assert not host.search(path.read_text(encoding="utf-8", errors="replace")), path
