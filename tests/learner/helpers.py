"""What the tests of the learner's room share: notebooks, courses, and Python processes of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def notebook(*sources, outputs=(), **metadata):
    """The bytes of a notebook whose code cells hold these sources."""
    cells = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "source": source,
            "outputs": list(outputs),
            "execution_count": None,
            "metadata": {},
        }
        for number, source in enumerate(sources)
    ]
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}).encode()


def write_course(folder, **sources):
    """A course: notebooks named by keyword, each with the text given as its second cell, in a folder of its tier."""
    for name, source in sources.items():
        path = folder / "1_tier" / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(notebook("answer = ...", source))
    return folder


def start_python(code, *arguments, **variables):
    """Start a Python process that runs the code with this checkout's coursekit."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process, seconds=60):
    """Wait for a process started above; its output. Fails with its stderr when it did not end well."""
    out, err = process.communicate(timeout=seconds)
    assert process.returncode == 0, err
    return out


# The system calls by which an update changes the disk. The tests spoil one after the other, so that they try every
# moment.
CHANGING = ("open", "fsync", "link", "rename", "replace", "unlink", "mkdir")


def spoil(set_attribute, at, effect, forever):
    """Let the call number `at` have the effect instead; `forever`: all calls after it too. Returns the call counter."""
    calls = []

    def wrapped(original):
        def call(*arguments, **more):
            calls.append(original)
            if len(calls) == at or (forever and len(calls) > at):
                effect()
            return original(*arguments, **more)

        return call

    for name in CHANGING:
        if hasattr(os, name):
            set_attribute(os, name, wrapped(getattr(os, name)))
    return calls
