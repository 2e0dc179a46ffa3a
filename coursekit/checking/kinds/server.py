"""Server: the learner's function starts a server, and real clients visit it."""

import contextlib
import copy
import inspect
import time

from coursekit.checking import running
from coursekit.checking.kinds.function import Function, _shortened
from coursekit.checking.reading import Unclear, Unreadable, is_a
from coursekit.checking.verdict import Outcome, Verdict

VISIT_SECONDS = 15.0
TELL_AFTER = 1.0                        # seconds from which on a check says how far it is
KNOWN = "known mistakes that yours is compared with"
_HERE = ("127.0.0.1", "localhost", "::1")


class Server(Function):
    """A function of the learner's that starts a server and returns it.

    variables : the function's name
    called    : what it is, in what the learner is told: "server", "engine"
    returned  : False when the function returns nothing, but sets up what it is given and what runs already
    example   : how the function's last line may look, for who returned something else
    kept      : False when the arguments of a case, such as a seed, say nothing to a learner, so that `failed` isn't told of

    Whatever has a `port` (or a `server_address`, as Python's and pynetdicom's servers have) and a `stop()` (or a `shutdown()`) is a server.
    The exercise has `cases(draw)`, as for a Function: a list of argument tuples, for each of which a server is started; and
    `visit(port, *arguments)`, in which real clients call that server and which returns {what the client did, in words: what it saw},
    plain data, without times, ports or generated UIDs. What a visitor sees of the solution's server is right; what it sees of a wrong way's
    tells that misconception, by the first thing that is wrong. Every server is stopped again.

    Where other systems have to stand around it, the exercise also has `stage(*arguments)`, a context manager: while it is open they run,
    and it gives (what the learner's function is called with, bench); then it is `visit(server, bench)` that is called.
    """

    seconds = 5.0                       # to start in

    def __init__(self, variables, called="server", returned=True, kept=True, example=None):
        super().__init__(variables, result=None)
        self.called, self.returned, self.kept = called, returned, kept
        self.example = example or f"return {called}.start()"
        if not returned:
            self.seconds = VISIT_SECONDS            # it does all its work with systems that run, and starts nothing

    def judge(self, exercise, given, editions):
        """The verdict on the server."""
        (function,) = given
        if not callable(function) or is_a(function, str):
            return self._no_function(function)
        cases = exercise.cases_on(editions.own)
        seen = {}
        for number, case in enumerate(cases):
            answer = self._visited(exercise, function, case)
            if isinstance(answer, Verdict):
                exercise.failed = copy.deepcopy(case)
                return answer
            seen |= {(number, what): value for what, value in answer.items()}
        right = self._seen(exercise, exercise.solution, cases, editions.own)
        first = next((place for place, value in right.items() if seen.get(place) != value), None)
        if first is None:
            return Verdict(Outcome.CORRECT, exercise.praise, "correct", exercise.points)
        exercise.failed = copy.deepcopy(cases[first[0]])
        saw = seen.get(first)
        if not (exercise.stage and type(saw) is str and " " in saw):         # words are told as they are
            saw = _shortened(saw, 160)
        told = f"{first[1]}: {saw}." if exercise.stage else f"{first[1]}: the client saw {saw}."
        # A way that goes wrong earlier is another misconception: the server did right there. Of several, the one most like it speaks.
        alike = {}
        begun, told_of = time.monotonic(), False
        for number, way in enumerate(exercise.wrong_ways):
            if told_of or time.monotonic() - begun > TELL_AFTER:
                editions.tell(number, len(exercise.wrong_ways), KNOWN)
                told_of = True
            wrong = self._seen(exercise, way, cases, editions.own)
            begins = next((place for place, value in right.items() if wrong.get(place) != value), None)
            if begins == first and wrong.get(first) == seen.get(first):
                alike[way] = sum(wrong.get(place) == value for place, value in seen.items())
        if told_of:
            editions.tell(len(exercise.wrong_ways), len(exercise.wrong_ways), KNOWN)
        if alike:
            way = max(alike, key=alike.get)
            return Verdict(Outcome.NOT_YET, f"{told} {exercise.wrong_ways[way]}", way.__name__)
        good = sum(seen.get(place) == value for place, value in right.items())
        what = "What they were tried with" if exercise.stage else f"What `{self.variables[0]}` was called with"
        kept = f" {what} is kept in `{exercise.lesson.variable}.{exercise.handle}.failed`." if self.kept else ""
        return Verdict(
            Outcome.NOT_YET, f"Your {self.called} did as it should in {good} of {len(right)} things that were tried. {told}{kept}", "value")

    def _visited(self, exercise, function, case):
        """What visitors see of a server started for a case, or the Verdict that says why they could not."""
        if not exercise.stage:
            case = copy.deepcopy(case)
            return self._tried(function, case, case, lambda server: exercise.visit(_port(server, self.called, self.example), *case))
        with exercise.stage(*copy.deepcopy(case)) as (arguments, bench):
            names = [_Named(name) for name in inspect.signature(exercise.solution).parameters]      # ports and systems say nothing
            return self._tried(function, arguments, names, lambda server: exercise.visit(server, bench))

    def _tried(self, function, arguments, shown, visit):
        ran = running.run_all([lambda: function(*arguments)], self.seconds)
        if ran.stopped:
            return self._stopped(ran, [shown])
        (server,) = ran.returned
        try:
            if self.returned:
                try:
                    _port(server, self.called, self.example)
                except Unclear as unclear:
                    return Verdict(Outcome.NOT_YET, str(unclear), "unreadable")
            ran = running.run_all([lambda: visit(server)], VISIT_SECONDS)
        finally:
            if self.returned:
                _stop(server)
        if ran.stopped == "error":
            return Verdict(Outcome.NOT_YET, f"What was tried with your {self.called} did not come to an end: {ran.error}. Does it still run "
                           "when your function has ended? One that was started with `with` is stopped where the `with` ends.", "error")
        if ran.stopped:
            return Verdict(
                Outcome.NOT_YET, f"Your {self.called} was waited for, {VISIT_SECONDS:.0f} seconds, and then given up. Does it answer everything "
                "that it is asked, and does each answer come to an end?", "time")
        return ran.returned[0]

    def _seen(self, exercise, function, cases, hospital):
        """What visitors see of the solution's or a wrong way's servers; what they can't see is left out."""

        def compute():
            seen = {}
            for number, case in enumerate(cases):
                answer = self._visited(exercise, function, case)
                if not isinstance(answer, Verdict):
                    seen |= {(number, what): value for what, value in answer.items()}
            return seen

        return exercise.remembered((self, function), hospital, compute)


class _Named:
    """An argument that is shown by its name."""

    def __init__(self, name):
        self._name = name

    def __repr__(self):
        return self._name


def _port(server, called, example):
    """The port of a learner's server. Raises Unclear when it is none, or is reachable from other machines."""
    if server is None:
        raise Unreadable(f"Your function returned nothing. Is a `return` missing? It should return the {called} that it started.")
    address = port = None
    with contextlib.suppress(Exception):
        port = int(server.port)
    with contextlib.suppress(Exception):
        address, port = str(server.server_address[0]), int(server.server_address[1])
    if address is not None and address not in _HERE:
        raise Unreadable(f"Your server listens on the address `{address}`, where other machines can reach it. In this course servers listen on "
                         'this machine alone: "127.0.0.1".')
    if port:
        return port
    raise Unreadable(f"What your function returned is no {called} that runs: it has no port. Start the {called}, then return it: "
                     f"`{example}`.")


def _stop(server):
    """End a learner's server, whatever it is."""
    for name in ("stop", "shutdown", "server_close"):
        with contextlib.suppress(Exception):
            getattr(server, name)()
