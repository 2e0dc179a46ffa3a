"""The learner's working copy of the notebooks: kept up to date with the course, and never overwritten.

A notebook counts as untouched when its cells hold one of the texts that we delivered, in the same order. Running it or
looking at it changes outputs, numbers, identifiers and metadata, and JupyterLab adds an empty cell at its end: none of
that is the learner's work. An untouched notebook is replaced when the course has a newer one; from an edited one we
keep our hands off and put the newer one beside it, once.

Replacing is done so that nothing is lost even if JupyterLab saves the notebook at that very moment: the file is first
set aside, then looked at under its new name, where nobody else writes, and only then is the new one published, under a
name that must still be free. If we are killed in between, the next update puts the set-aside file back.
"""

import hashlib
import itertools
import json
import os
import secrets
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from coursekit import shipped
from coursekit.errors import CourseError
from coursekit.learner.files import TEMPORARY, create, locked, reason, rename_to_new, replace, write_temporary

OURS = ".coursekit"  # the folder, in the learner's, that holds what we need to remember
ASIDE = ".aside"  # how the names of files end that are set aside while they are replaced
UNREADABLE = "unreadable"  # stands for the fingerprint of a file that is no notebook


class WorkspaceProblem(CourseError):
    """The working copy can't be made or brought up to date, and why."""


@dataclass
class Report:
    """What an update found and did. Notebooks are named relative to the folder, with forward slashes."""

    folder: Path
    total: int = 0  # notebooks in the course
    new: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    edited: dict[str, str] = field(default_factory=dict)  # the learner's -> the newer one put beside it
    unreadable: dict[str, str] = field(default_factory=dict)  # the learner's -> the fresh one beside it
    rescued: dict[str, str] = field(default_factory=dict)  # a notebook -> where an interrupted update's copy now is
    failed: dict[str, list[str]] = field(default_factory=dict)  # why -> which notebooks

    def lines(self) -> list[str]:
        """The report in plain words, for a person."""
        told = []
        if len(self.new) == self.total:
            told.append(f"Your notebooks are in {self.folder}.")
        elif self.new:
            told.append(f"New: {', '.join(self.new)}.")
        if self.updated:
            told.append(f"Replaced by a newer version, because you had not changed it: {', '.join(self.updated)}.")
        if self.restored:
            told.append(f"Missing, so put there again: {', '.join(self.restored)}.")
        for mine, newer in self.edited.items():
            told.append(f"You changed {mine}: it stays as it is. The course has a newer version: {newer}.")
        for mine, fresh in self.unreadable.items():
            told.append(
                f"{mine} can't be read as a notebook; perhaps it was saved only half. It stays as it is. "
                f"A fresh one: {fresh}."
            )
        for name, copy in self.rescued.items():
            told.append(f"An earlier update of {name} was interrupted; the version it had set aside is now in {copy}.")
        for why, names in self.failed.items():
            told.append(f"Not brought up to date, because {why}: {', '.join(names)}. Nothing of yours was lost.")
        return told or [f"Your {self.total} notebooks in {self.folder} are up to date."]


def update(folder: Path | str, course: Path | None = None) -> Report:
    """Bring the working copy in `folder` up to date with the notebooks of the course, making it if need be.

    `course` is the folder of the course's notebooks; those that came with the package if it is not given. Raises
    WorkspaceProblem when there is nothing to update from, or nowhere to update to. What goes wrong with a single
    notebook stands in the report instead.
    """
    course = course or shipped.notebooks()
    folder = Path(folder).absolute()
    paths = [path for path in course.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts]
    names = sorted(path.relative_to(course).as_posix() for path in paths)
    if not names:
        raise WorkspaceProblem(f"The course's notebooks are missing from {course}: install the course again.")
    if folder.resolve().is_relative_to(course.resolve()):
        raise WorkspaceProblem(f"{folder} is where the course keeps its own notebooks: choose another folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorkspaceProblem(f"The folder {folder} can't be made: {reason(error)}. Choose another folder.") from error
    with _alone(folder) as alone:
        return _Update(folder, course, names).run(tidy=alone)


@contextmanager
def _alone(folder):
    """Let one update at a time work on a folder; yields whether that is certain."""
    with suppress(OSError):  # a folder that can only be read: perhaps nothing has to be written
        (folder / OURS).mkdir(exist_ok=True)
    with locked(folder / OURS / "lock", seconds=20) as state:
        if state == "busy":
            raise WorkspaceProblem(f"Another coursekit has been updating {folder} for a while: end it and start again.")
        yield state == "held"


class _Update:
    def __init__(self, folder, course, names):
        self.folder, self.course, self.names = folder, course, names
        self.report = Report(folder, total=len(names))
        self.delivered = _read_delivered(folder)  # notebook -> fingerprints of all its versions that the learner got

    def run(self, tidy):
        before = json.dumps(self.delivered)
        if tidy:
            self._clean_up()
        try:
            for name in self.names:
                self._bring(name)
        finally:
            if json.dumps(self.delivered) != before:
                self._remember()
        return self.report

    def _clean_up(self):
        """Settle what an update that was killed has left behind."""
        for place in sorted({(self.folder / name).parent for name in self.names} | {self.folder / OURS}):
            for left in sorted(place.glob(".*")):
                try:
                    if left.name.startswith(TEMPORARY):
                        left.unlink()
                    elif left.name.endswith(ASIDE):
                        self._put_back(left)
                except OSError as error:
                    self._fail(self._name(left), error)

    def _remember(self):
        path = self.folder / OURS / "delivered.json"
        try:
            replace(path, json.dumps({"version": 1, "notebooks": self.delivered}).encode())
        except OSError as error:
            self._fail(self._name(path), error)

    def _bring(self, name):
        try:
            fresh = (self.course / name).read_bytes()
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._fail(name, error)
            return
        try:
            self._deliver(name, fresh)
        except FileExistsError:
            self.report.failed.setdefault("something appeared under its name meanwhile", []).append(name)
        except OSError as error:
            self._fail(name, error)

    def _deliver(self, name, fresh):
        version = fingerprint(fresh)
        known = self.delivered.get(name, [])
        mine = _fingerprint_of(self.folder / name)
        if mine is None:
            create(self.folder / name, fresh)
            (self.report.restored if known else self.report.new).append(name)
        elif mine == version:
            pass
        elif mine in known:
            if not self._exchange(name, fresh, known):
                return
            self.report.updated.append(name)
        elif mine == UNREADABLE:
            self.report.unreadable[name] = self._beside(name, fresh, version, known)
        elif version not in known:
            self.report.edited[name] = self._beside(name, fresh, version, known)
        if version not in known:
            self.delivered[name] = [*known, version]

    def _beside(self, name, fresh, version, known):
        """Put the fresh notebook beside the learner's, unless it is there; in the place of an older, untouched one."""
        for copy in _numbered(name, "new version"):
            there = _fingerprint_of(self.folder / copy)
            if there == version:
                return copy
            if there in known and self._exchange(copy, fresh, known):
                return copy
            if there is None:
                create(self.folder / copy, fresh)
                return copy

    def _exchange(self, name, fresh, known):
        """Replace an untouched notebook; leave it, and return False, if it turns out to be touched after all."""
        target = self.folder / name
        aside = target.with_name(f".{target.name}.{secrets.token_hex(8)}{ASIDE}")
        temporary = write_temporary(target.parent, fresh)
        try:
            os.rename(target, aside)
            try:
                if _fingerprint_of(aside) not in known:
                    return False
                rename_to_new(temporary, target)
                return True
            finally:
                self._put_back(aside)
        finally:
            temporary.unlink(missing_ok=True)

    def _put_back(self, aside):
        """Give a set-aside notebook its name again; if that is taken, another, unless it is untouched."""
        target = aside.with_name(aside.name.removeprefix(".").removesuffix(ASIDE).rpartition(".")[0])
        try:
            rename_to_new(aside, target)
            return
        except FileExistsError:
            pass
        untouched = {version for versions in self.delivered.values() for version in versions}
        if _fingerprint_of(aside) in untouched | {_fingerprint_of(target)}:
            aside.unlink()
            return
        for copy in _numbered(self._name(target), "your version"):
            try:
                rename_to_new(aside, self.folder / copy)
            except FileExistsError:
                continue
            self.report.rescued[self._name(target)] = copy
            return

    def _name(self, path):
        return path.relative_to(self.folder).as_posix()

    def _fail(self, name, error):
        self.report.failed.setdefault(reason(error), []).append(name)


def _numbered(name, words):
    stem = name.removesuffix(".ipynb")
    yield f"{stem} ({words}).ipynb"
    for number in itertools.count(2):
        yield f"{stem} ({words} {number}).ipynb"


def fingerprint(notebook: bytes) -> str:
    """What tells one text of a notebook from another: its cells' kinds and sources, without the empty ones.

    UNREADABLE when it is no notebook.
    """
    try:
        cells = [(cell["cell_type"], "".join(cell["source"])) for cell in json.loads(notebook)["cells"]]
    except (ValueError, KeyError, TypeError):
        return UNREADABLE
    texts = [(kind, source.replace("\r\n", "\n")) for kind, source in cells if source.strip()]
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def _fingerprint_of(path):
    try:
        return fingerprint(path.read_bytes())
    except FileNotFoundError:
        return None


def _read_delivered(folder):
    try:
        notebooks = json.loads((folder / OURS / "delivered.json").read_bytes())["notebooks"]
        return {name: [str(known) for known in versions] for name, versions in notebooks.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # no update yet, or what we remembered is lost: then every notebook counts as the learner's
