"""The progress record: what the learner tried and earned, one line of JSON per event, only ever added to.

It lies in the learner's own data folder, holds no names of people, and never leaves the machine.
"""

import errno
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from coursekit.errors import CourseError
from coursekit.learner.files import locked, reason

VERSION = 1  # of the lines' format


class RecordProblem(CourseError):
    """The record can't be written or read, and why."""


@dataclass
class Standing:
    """How a learner stands with one exercise."""

    attempts: int = 0  # checks up to the first correct one
    hints: int = 0
    solution: bool = False  # the solution was shown
    correct: bool = False
    points: int = 0  # earned
    unaided: bool = False  # correct before any hint or the solution was shown
    when: str = ""  # it became correct, ISO 8601


def home() -> Path:
    """The folder of the record: the environment variable COURSEKIT_HOME, or the user's data folder."""
    chosen = os.environ.get("COURSEKIT_HOME")
    if chosen:
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_data_dir("coursekit", appauthor=False))


def append(event: dict) -> None:
    """Add an event with its time to the record, safely on the disk when this returns.

    Whatever happens to the process or the disk, lines written before stay whole. Raises RecordProblem with one
    sentence when the event could not be written.
    """
    stamped = {"v": VERSION, "at": datetime.now(UTC).isoformat(timespec="seconds"), **event}
    line = json.dumps(stamped, ensure_ascii=True).encode() + b"\n"
    folder = home()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Without the lock the line is written all the same: one write to a file opened for appending is whole on most
        # systems, and to lose the event for certain would be worse.
        with locked(folder / "progress.lock", seconds=1):
            _append(folder / "progress.jsonl", line)
    except OSError as error:
        raise RecordProblem(
            f"Your progress could not be noted down: {reason(error)} ({folder}). "
            "Your answers in the notebook are not affected."
        ) from error


def _append(path, line):
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
    try:
        size = os.fstat(handle).st_size
        if size:
            os.lseek(handle, size - 1, os.SEEK_SET)
            if os.read(handle, 1) != b"\n":  # a process died in the middle of its line
                line = b"\n" + line
        if os.write(handle, line) < len(line):
            raise OSError(errno.ENOSPC, "the disk is full")
        os.fsync(handle)
    finally:
        os.close(handle)


def read() -> list[dict]:
    """All events in the order they were written; lines that are torn or no events are left out.

    Raises RecordProblem when there is a record that can't be read.
    """
    path = home() / "progress.jsonl"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RecordProblem(f"The progress record {path} can't be read: {error.strerror or error}.") from error
    events = []
    for line in content.split(b"\n"):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            events.append(event)
    return events


def summary(events: list[dict]) -> dict[str, dict[str, Standing]]:
    """By lesson and exercise, how the learner stands. What is once earned no later event takes away.

    An event has "lesson", "exercise" (none when it is about the whole lesson) and "event": a "check" has "outcome" and
    "points", a "hint" may have its "number" on the ladder, so that a hint shown again is not counted again.
    """
    lessons = {}
    for event in events:
        lesson, exercise, kind = event.get("lesson"), event.get("exercise"), event.get("event")
        if not isinstance(lesson, str):
            continue
        exercises = lessons.setdefault(lesson, {})
        if not isinstance(exercise, str):
            continue
        standing = exercises.setdefault(exercise, Standing())
        if kind == "hint":
            standing.hints = max(standing.hints, _count(event.get("number"), otherwise=standing.hints + 1))
        elif kind == "solution":
            standing.solution = True
        elif kind == "check" and event.get("outcome") in ("correct", "not yet") and not standing.correct:
            standing.attempts += 1
            if event.get("outcome") == "correct":
                standing.correct = True
                standing.points = _count(event.get("points"), otherwise=0)
                standing.unaided = not standing.hints and not standing.solution
                standing.when = event["at"] if isinstance(event.get("at"), str) else ""
    return lessons


def _count(value, otherwise):
    return value if isinstance(value, int) and value >= 0 else otherwise
