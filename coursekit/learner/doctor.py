"""Is this machine ready for the course? A list of checks, each answered in plain words with what to do."""

import importlib.metadata
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coursekit.learner import record
from coursekit.learner.files import reason

OLDEST_PYTHON = (3, 11)
INSTALL_AGAIN = "Start the course with start.py again; if that changes nothing, remove the folder .venv first."


@dataclass(frozen=True)
class Check:
    """One finding. state is "ok", "advice" (the course runs, but) or "problem" (something will not work)."""

    state: str
    said: str
    advice: str = ""

    def __str__(self):
        first = f"{self.state.upper() if self.state == 'problem' else self.state:9}{self.said}"
        return f"{first}\n{'':9}What to do: {self.advice}" if self.advice else first


def examine(folder: Path) -> Iterator[Check]:
    """Carry out all checks, yielding each finding as soon as it is there; `folder` is the learner's working copy."""
    folder = Path(folder)
    for check in (
        _python,
        *(_package(requirement) for requirement in _requirements()),
        lambda: _writable("working folder", folder, "Start with another folder: coursekit lab FOLDER"),
        lambda: _writable(
            "folder of your progress record",
            record.home(),
            "Set the environment variable COURSEKIT_HOME to a folder that you may write.",
        ),
        lambda: _space(folder),
        _loopback,
        _localhost,
        _kernel,
        _notebooks,
        _dataset,
    ):
        try:
            yield check()
        except Exception as error:  # whatever is broken: the other checks still have something to say
            yield Check("problem", f"A check failed: {type(error).__name__}: {error}", INSTALL_AGAIN)


def _python():
    found = "Python " + sys.version.split()[0]
    if sys.version_info < OLDEST_PYTHON:
        return Check("problem", f"{found} is too old.", "Install Python 3.11 or newer and start start.py with it.")
    return Check("ok", f"{found} on {sys.platform}")


def _requirements():
    """The packages that the course needs, as (name, lowest version)."""
    try:
        lines = importlib.metadata.requires("coursekit") or []
    except importlib.metadata.PackageNotFoundError:
        return [("coursekit", "0")]
    wanted = [re.match(r"([\w.-]+)\s*>=\s*([\d.]+)$", line) for line in lines if "extra ==" not in line]
    return [match.groups() for match in wanted if match]


def _package(requirement):
    name, lowest = requirement

    def check():
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return Check("problem", f"{name} is not installed.", INSTALL_AGAIN)
        if _numbers(found) < _numbers(lowest):
            return Check("problem", f"{name} {found} is too old: {lowest} or newer is needed.", INSTALL_AGAIN)
        # In a process of its own: a package may be so broken that it takes Python down with it.
        code = f"import importlib; [importlib.import_module(module) for module in {_modules(name)!r}]"
        ended = _python_says(code)
        if ended.returncode:
            why = (ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"])[-1]
            return Check("problem", f"{name} {found} is installed but can't be loaded: {why}", INSTALL_AGAIN)
        return Check("ok", f"{name} {found}")

    return check


def _python_says(code):
    """Run code in a Python of its own, for at most two minutes."""
    return subprocess.run(
        [sys.executable, "-c", code],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=120,
    )


def _numbers(version):
    numbers = [int(number) for number in re.findall(r"\d+", version)]
    while numbers and numbers[-1] == 0:  # 3.0 and 3.0.0 are one version
        numbers.pop()
    return numbers


def _modules(name):
    """The modules to import for a package: the one of its name, or, when it has none, all those at its top."""
    own = name.replace("-", "_").lower()
    found = [module for module, packages in importlib.metadata.packages_distributions().items() if name in packages]
    return [own] if own in found or not found else found


def _writable(what, folder, advice):
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"coursekit")
    except OSError as error:
        return Check("problem", f"The {what}, {folder}, can't be written: {reason(error)}.", advice)
    return Check("ok", f"The {what} can be written: {folder}")


def _space(folder):
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free // 1_000_000
    if free < 500:
        state = "advice" if free >= 100 else "problem"
        return Check(state, f"Only {free} MB of the disk are free.", "Free at least 500 MB, for your work to be saved.")
    return Check("ok", f"{free} MB of the disk are free")


def _loopback():
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(10)
            with socket.create_connection(server.getsockname(), timeout=10), server.accept()[0]:
                pass
    except OSError as error:
        return Check(
            "problem",
            f"Programs on this computer can't talk to each other over 127.0.0.1: {error}.",
            "Ask your IT department to let the firewall or security software allow connections on the loopback.",
        )
    return Check("ok", "Programs on this computer can talk to each other over 127.0.0.1")


def _localhost():
    advice = "The file hosts of this computer should hold the line: 127.0.0.1 localhost"
    try:
        found = {address[4][0] for address in socket.getaddrinfo("localhost", None)}
    except OSError as error:
        return Check("problem", f"The name localhost is not known: {error}.", advice)
    if not found & {"127.0.0.1", "::1"}:
        return Check("problem", f"The name localhost leads to {', '.join(sorted(found))}.", advice)
    return Check("ok", "The name localhost leads to this computer")


# Runs in a process of its own, since a kernel that hangs must not hang the doctor.
_ASK_KERNEL = """
import os
os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(startup_timeout=60)
try:
    answer = client.execute_interactive(
        "",
        user_expressions={"sum": "1 + 1", "prefix": "__import__('sys').prefix"},
        timeout=30,
        output_hook=lambda message: None,
    )
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
import json
print(json.dumps({name: value["data"]["text/plain"] for name, value in answer["content"]["user_expressions"].items()}))
"""


def _kernel():
    advice = "Your security software may be blocking Python's connections to itself. " + INSTALL_AGAIN
    try:
        ended = _python_says(_ASK_KERNEL)
        answer = json.loads(ended.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        return Check("problem", "A Python kernel, which runs the notebooks, did not answer within two minutes.", advice)
    except (ValueError, IndexError):
        why = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return Check("problem", f"A Python kernel, which runs the notebooks, could not be asked: {why}", advice)
    if answer != {"sum": "2", "prefix": repr(sys.prefix)}:
        return Check(
            "problem",
            f"The notebooks would run in another Python, {answer.get('prefix')}, where the course is not installed.",
            "Run: jupyter kernelspec list. Remove the kernel python3 that is in your own user folder.",
        )
    return Check("ok", "A Python kernel, which runs the notebooks, starts and answers")


def _notebooks():
    from coursekit import shipped

    folder = shipped.notebooks()
    count = sum(1 for _ in folder.rglob("*.ipynb"))
    if not count:
        return Check("problem", f"The course's notebooks are missing from {folder}.", "Get the course again, whole.")
    return Check("ok", f"The course has its notebooks: {count}")


def _dataset():
    from coursekit.hospital import edition

    folder = edition.default_folder()
    faults = edition.verify(folder)
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        return Check(
            "problem", f"The dataset in {folder} is damaged: {faults[0]}{more}", "Run: coursekit dataset build"
        )
    return Check("ok", "The dataset of the hospital is whole")
