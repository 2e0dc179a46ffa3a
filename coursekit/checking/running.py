"""Carrying out a learner's code: within a time limit, with its prints caught and its exceptions turned into words."""

import builtins
import contextlib
import ctypes
import io
import threading
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path

_ORIGINAL_BUILTINS = dict(vars(builtins))
WAITS = 30                              # into which the time of the learner's code is divided
STOPS = 50                              # how often it is told to end before it counts as stubborn


@contextlib.contextmanager
def original_builtins():
    """Python's own builtins while the body runs, whatever the learner has put in their place."""
    current = vars(builtins)
    changed = {name: current.get(name, _MISSING) for name in _ORIGINAL_BUILTINS}
    changed = {name: now for name, now in changed.items() if now is not _ORIGINAL_BUILTINS[name] and name != "_"}
    current.update({name: _ORIGINAL_BUILTINS[name] for name in changed})
    try:
        yield
    finally:
        for name, now in changed.items():
            if now is _MISSING:
                current.pop(name)
            else:
                current[name] = now


_MISSING = object()
_COURSE = Path(__file__).parent.parent  # lines of the course itself are none of the learner's


@dataclass
class Ran:
    """What came of one run: the values returned so far, and why it stopped ("" when it did not)."""

    returned: list
    stopped: str = ""  # "", "time", "stubborn" (it can't be stopped) or "error"
    error: str = ""  # for "error": the exception in words
    raised: tuple = ()  # for "error": the exception's type and text


def run_all(calls, seconds):
    """Carry out the calls (functions without arguments) one after another, in at most `seconds` in all.

    They run in a thread of their own, so that an endless loop can be ended on every operating system: the interpreter
    raises an exception in that thread. Code that waits inside a C call can't be ended so; it's left behind in the
    background and reported as "stubborn". What the code prints is caught; what it warns of is ignored.
    """
    ran = Ran([])

    def work():
        try:
            for call in calls:
                ran.returned.append(call())
        except _Stop:
            ran.stopped = "time"
        except BaseException as error:  # SystemExit and KeyboardInterrupt too: the learner's code may raise anything
            ran.raised = type_and_text(error)
            ran.error = _in_words(error, *ran.raised)
            ran.stopped = "error"       # the last, for _Stop may be raised in between

    thread = threading.Thread(target=work, daemon=True, name="learner's function")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        thread.start()
        for _ in range(WAITS):          # where the machine is so busy that nobody gets on, each of them takes longer
            if thread.is_alive():
                thread.join(seconds / WAITS)
        for _ in range(STOPS):
            if thread.is_alive():
                _raise_in(thread)
                thread.join(0.02)
    stubborn, returned = thread.is_alive(), list(ran.returned)
    if len(returned) == len(calls):     # the last of them returned just when its time was over
        return Ran(returned)
    if stubborn:
        return Ran(returned, "stubborn")
    return Ran(returned, ran.stopped or "time", ran.error, ran.raised)


class _Stop(BaseException):
    """Raised inside the learner's code when its time is over."""


def _raise_in(thread):
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(_Stop))


def type_and_text(error):
    """The name of an exception's type, and its text; "" where it has none that can be read."""
    try:
        text = BaseException.__str__(error) if not isinstance(error, KeyError) else f"the key {error} is not there"
        text = str.__str__(text)
    except BaseException:
        text = ""
    return type.__dict__["__name__"].__get__(type(error)), text


def _in_words(error, kind, text):
    """The exception as a learner can use it: its type, its text, and the line of their own code."""
    if isinstance(error, SystemExit):
        return "it called `exit()`, which would end Python"
    if isinstance(error, RecursionError):
        return "it calls itself without end (`RecursionError`)"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _COURSE not in Path(frame.filename).parents]
    where = f", in its line `{frames[0].line.strip()[:80]}`" if frames and frames[0].line else ""
    return f"it stopped with `{kind}`" + (f": {text[:200].rstrip('.')}" if text else "") + where


