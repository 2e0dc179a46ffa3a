"""Server: the learner's function starts a server, and real clients visit it."""

import contextlib
import copy

from coursekit.checking import running
from coursekit.checking.kinds.function import Function, _call, _shortened
from coursekit.checking.reading import Unclear, Unreadable, is_a
from coursekit.checking.verdict import Outcome, Verdict

START_SECONDS = 5.0
VISIT_SECONDS = 15.0
_HERE = ("127.0.0.1", "localhost", "::1")


class Server(Function):
    """A function of the learner's that starts a server and returns it.

    variables : the function's name

    Whatever has a `port` (or a `server_address`, as Python's and pynetdicom's servers have) and a `stop()` (or a `shutdown()`) is a server.
    The exercise has `cases(draw)`, as for a Function: a list of argument tuples, for each of which a server is started; and
    `visit(port, *arguments)`, in which real clients call that server and which returns {what the client did, in words: what it saw},
    plain data, without times, ports or generated UIDs. What a visitor sees of the solution's server is right; what it sees of a wrong way's
    tells that misconception, as a whole or by the first thing that is wrong. Every server is stopped again.
    """

    def __init__(self, variables):
        super().__init__(variables, result=None)

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
        told = f"{first[1]}: the client saw {_shortened(seen.get(first), 160)}."
        for alike in (lambda wrong: wrong == seen, lambda wrong: wrong.get(first) == seen.get(first)):
            for way, feedback in exercise.wrong_ways.items():
                if alike(self._seen(exercise, way, cases, editions.own)):
                    return Verdict(Outcome.NOT_YET, f"{told} {feedback}", way.__name__)
        good = sum(seen.get(place) == value for place, value in right.items())
        return Verdict(
            Outcome.NOT_YET, f"Your server did as it should in {good} of {len(right)} things that clients tried. {told} "
            f"What the server was started with is kept in `{exercise.lesson.variable}.{exercise.handle}.failed`.", "value")

    def _visited(self, exercise, function, case):
        """What visitors see of a server started for a case, or the Verdict that says why they could not."""
        ran = running.run_all([_call(function, case)], START_SECONDS)
        if ran.stopped:
            return self._stopped(ran, [case], START_SECONDS)
        (server,) = ran.returned
        try:
            try:
                port = _port(server)
            except Unclear as unclear:
                message = str(unclear) if is_a(unclear, Unreadable) else f"Your function should return the server that it started; it returned {unclear}."
                return Verdict(Outcome.NOT_YET, message, "unreadable")
            ran = running.run_all([lambda: exercise.visit(port, *copy.deepcopy(case))], VISIT_SECONDS)
        finally:
            _stop(server)
        if ran.stopped == "error":
            return Verdict(Outcome.NOT_YET, f"A client could not finish its visit to your server: {ran.error}.", "error")
        if ran.stopped:
            return Verdict(
                Outcome.NOT_YET, f"The clients waited {VISIT_SECONDS:.0f} seconds for your server and gave up. Does it answer everything that it "
                "is asked, and does each answer come to an end?", "time")
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


def _port(server):
    """The port of a learner's server. Raises Unclear when it is none, or is reachable from other machines."""
    if server is None:
        raise Unreadable("Your function returned nothing. Is a `return` missing? It should return the server that it started.")
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
    raise Unreadable("What your function returned is no server that runs: it has no port. Start the server, then return it: `return server.start()`.")


def _stop(server):
    """End a learner's server, whatever it is."""
    for name in ("stop", "shutdown", "server_close"):
        with contextlib.suppress(Exception):
            getattr(server, name)()
