"""Opens the course:         python3 start.py          (Windows PowerShell: py start.py)
Tests the course:         python3 start.py test
Anything else it can do:  python3 start.py doctor      (or progress, dataset, --help ...)

Needs nothing but Python 3.11 or newer. What the course needs goes into the folder .venv beside this file, once.
"""

# No f-strings and the like: an old Python must be able to read this file to say that it is too old.
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "coursekit-setup.json")
PYTHON = os.path.join(VENV, "Scripts", "python.exe") if os.name == "nt" else os.path.join(VENV, "bin", "python")
UNFINISHED = {"unfinished": True}


class Stop(Exception):
    """What stands in the way, in one sentence."""


def main(arguments):
    if sys.version_info < OLDEST:
        raise Stop("This course needs Python 3.11 or newer; this is Python %d.%d." % sys.version_info[:2])
    sys.stdout.reconfigure(errors="replace")  # pip may print what a redirected Windows console can't
    testing = arguments[:1] == ["test"]
    with alone():
        set_up("test" if testing else "")
    if testing:
        say("Step 3 of 3: running the tests.")
        # Three at a time keep two cores busy: a third of the time a test waits for a system that runs.
        return run([PYTHON, "-m", "pytest", "-n", "3"] + arguments[1:])
    if not arguments:
        say("Step 3 of 3: opening the course in your browser.")
    return run([PYTHON, "-m", "coursekit"] + (arguments or ["lab"]))


def set_up(extra):
    """Bring .venv to the state that pyproject.toml asks for; do nothing when it is in that state."""
    found = read_stamp()
    usable = found != UNFINISHED and found.get("folder", ROOT) == ROOT and works()
    if usable and found.get("project") == project_hash() and found.get("extra") in (extra, "test"):
        return
    if not usable:
        make_venv()
    say("Step 2 of 3: installing what the course needs. This takes a minute or two, only this once.")
    write_stamp(UNFINISHED)
    install(".[%s]" % extra if extra else ".")
    write_stamp({"project": project_hash(), "folder": ROOT, "extra": extra})


def make_venv():
    say("Step 1 of 3: making the folder .venv, where everything is kept.")
    if missing("venv") or missing("ensurepip"):
        raise Stop(
            "This Python came without its venv module; on Debian and Ubuntu install it with "
            "'sudo apt install python3-venv' and start again."
        )
    try:
        if os.path.lexists(VENV):
            shutil.rmtree(VENV)
        os.mkdir(VENV)
        write_stamp(UNFINISHED)
    except OSError as error:
        raise Stop("The folder .venv can't be made anew (%s); close every program that uses it." % error)
    # When the Python of .venv itself runs this file, it can't make itself: the one it was made from can.
    python = getattr(sys, "_base_executable", "") or sys.executable
    if subprocess.call([python, "-m", "venv", VENV], env=environment(), cwd=ROOT):
        raise Stop(
            "The folder .venv could not be made; the message above says why. On Debian and Ubuntu "
            "'sudo apt install python3-venv' usually helps."
        )


def install(project):
    """Install the project with pip, showing pip's own lines, in a terminal one over the other."""
    command = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    pip = subprocess.Popen(
        command + ["--editable", project],
        env=environment(),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    lines = []
    with pip:
        for line in pip.stdout:
            lines.append(line.rstrip())
            show(lines[-1].strip())
    show("")
    if pip.returncode:
        say("\n".join(lines[-15:]))
        raise Stop(
            "The installation did not succeed; the lines above say why. It needs the internet: behind a hospital's "
            "proxy set the variable HTTPS_PROXY first. Then start again."
        )


def show(line):
    """Show a line in the place of the one before; nothing where the output is no terminal."""
    if sys.stdout.isatty():
        width = min(shutil.get_terminal_size().columns, 100) - 5
        sys.stdout.write("\r  " + line[:width].ljust(width))
        sys.stdout.flush()
        if not line:
            sys.stdout.write("\r")


def missing(module):
    from importlib.util import find_spec

    return find_spec(module) is None


def works():
    """Whether .venv has a Python that is new enough and a pip that answers."""
    check = "import sys, pip; sys.exit(sys.version_info < %r)" % (OLDEST,)
    try:
        return subprocess.call([PYTHON, "-c", check], env=environment(), stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def project_hash():
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def read_stamp():
    try:
        with open(STAMP, "rb") as file:
            found = json.loads(file.read().decode("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_stamp(content):
    with open(STAMP + ".new", "wb") as file:
        file.write(json.dumps(content).encode("utf-8"))
    os.replace(STAMP + ".new", STAMP)


@contextmanager
def alone():
    """Let one start.py at a time set up .venv: the second would take away what the first is making."""
    try:
        file = open(os.path.join(ROOT, ".venv-setup.lock"), "a")
    except OSError as error:
        raise Stop("The course needs to write into its own folder, %s (%s)." % (ROOT, error.strerror))
    with file:
        try:
            if os.name == "nt":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):  # so POSIX and Windows say that another holds the lock
            raise Stop("The course is just being installed in another window; wait until that is done.")
        except OSError:
            pass  # a file system without locks
        yield


def environment():
    """The environment without what would lead Python or pip to another place than .venv."""
    misleading = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__", "PIP_TARGET", "PIP_PREFIX")
    kept = {name: value for name, value in os.environ.items() if name not in misleading}
    return dict(kept, PIP_USER="0")


def run(command):
    """Run a command in the course's folder to its end; its exit code. Ctrl-C reaches it too: it decides what to do."""
    signal.signal(signal.SIGINT, lambda *_: None)
    sys.stdout.flush()
    child = subprocess.Popen(command, env=environment(), cwd=ROOT)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    code = child.wait()
    return code if code >= 0 else 128 - code


def say(text):
    print(text)
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Stop as stop:
        sys.exit(str(stop))
    except KeyboardInterrupt:
        say("Stopped. The same command goes on from here.")
        sys.exit(130)
