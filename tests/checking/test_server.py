"""Server: a server of the learner's, visited by clients."""

import contextlib
import socket
import socketserver
import threading

import hostile
import pytest

from coursekit.checking import Outcome, Server


class Shouting:
    """A server that answers a line with what `say` makes of it."""

    def __init__(self, say, host="127.0.0.1"):
        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                for line in self.rfile:
                    self.wfile.write(say(line.decode().strip()).encode() + b"\n")

        self._server = socketserver.ThreadingTCPServer((host, 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.port = self._server.server_address[1]

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def asked(port, line):
    with socket.create_connection(("127.0.0.1", port), timeout=12) as connection:
        connection.sendall(line.encode() + b"\n")
        return connection.makefile().readline().strip()


def visit(port, greeting):
    return {"A word is asked": asked(port, "word"), "An empty line is asked": asked(port, "")}


def solution(greeting):
    return Shouting(lambda line: f"{greeting} {line.upper()}" if line else "?")


def not_loud(greeting):
    return Shouting(lambda line: f"{greeting} {line}" if line else "?")


def no_empty_line(greeting):
    return Shouting(lambda line: f"{greeting} {line.upper()}")


@pytest.fixture
def check(ask):
    return ask(Server("my_server"), solution, {not_loud: "Shout.", no_empty_line: "Think of nothing."},
               cases=lambda draw: [("ho",), (draw.choice(["he", "ha"]),)], visit=visit)


def test_a_right_server_and_wrong_ones(check):
    assert check(solution).correct
    verdict = check(not_loud)
    assert verdict.label == "not_loud" and verdict.message == "A word is asked: the client saw `'ho word'`. Shout."
    assert check(no_empty_line).label == "no_empty_line"
    both = check(lambda greeting: Shouting(lambda line: f"{greeting} {line}"))
    assert both.label == "not_loud", "the first thing that is wrong speaks"
    quiet_later = check(lambda greeting: Shouting(lambda line: f"{greeting} {line.upper() if greeting == 'ho' else line}" if line else "?"))
    assert quiet_later.label == "value" and "Shout" not in quiet_later.message, "a way that goes wrong earlier is another one"
    other = check(lambda greeting: Shouting(lambda line: "no"))
    assert other.label == "value" and "in 0 of 4 things" in other.message and check.exercise.failed == ("ho",)
    assert "What `my_server` was called with is kept in" in other.message


def test_while_known_mistakes_are_slow_the_first_check_says_how_far_it_is(check, monkeypatch):
    said = []
    check.editions.tell = lambda done, total, what: said.append((done, total))
    check(not_loud)
    assert said == []
    monkeypatch.setattr("coursekit.checking.kinds.server.TELL_AFTER", 0)
    check(not_loud)
    assert said == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_what_is_no_server(check):
    assert "`return` missing" in check(lambda greeting: print(greeting)).message
    assert "it has no port" in check(lambda greeting: 7).message and "`return server.start()`" in check(lambda greeting: 7).message
    assert "`ZeroDivisionError`" in check(lambda greeting: 1 / 0).message
    assert check(...).outcome is Outcome.NOT_ANSWERED
    for label, make in hostile.VALUES:
        verdict = check(make())
        assert verdict.outcome is Outcome.NOT_YET and len(verdict.message) > 10, label


def test_how_it_is_returned_may_be_said(ask):
    check = ask(Server("my_server", example="return server"), solution, {not_loud: "Shout."}, cases=lambda draw: [("ho",)], visit=visit)
    assert "return it: `return server`." in check(lambda greeting: 7).message


def test_a_server_for_the_whole_network_is_refused(check):
    class Open:
        server_address = ("0.0.0.0", 104)

    assert "other machines can reach it" in check(lambda greeting: Open()).message


def test_a_client_that_is_left_alone_says_so(check):
    class Gone:
        pass

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))                   # nobody listens there, and nobody else gets the port
        Gone.port = closed.getsockname()[1]
        assert "did not come to an end" in check(lambda greeting: Gone()).message


def test_every_server_is_stopped(check):
    servers = []

    def noted(greeting):
        servers.append(solution(greeting))
        return servers[-1]

    assert check(noted).correct and len(servers) == 2
    for server in servers:                              # their ports may be others' by now
        assert server._server.fileno() == -1 and not server._thread.is_alive(), "still listens"


def test_systems_around_it(ask):
    """A relay of the learner's, between a client and a server that the stage starts."""
    @contextlib.contextmanager
    def stage(greeting):
        behind = Shouting(lambda line: f"{greeting} {line}")
        try:
            yield (behind.port,), {"word": "word"}
        finally:
            behind.stop()

    def visit(server, bench):
        said = asked(server.port, bench["word"])
        return {"A word is passed on": said if said != "x" else "it came as an x"}

    def relay(port):
        return Shouting(lambda line: asked(port, line))

    def swallows(port):
        return Shouting(lambda line: "")

    check = ask(Server("my_relay", called="relay"), relay, {swallows: "It ends here."}, cases=lambda draw: [("ho",), ("ha",)], visit=visit,
                stage=stage)
    assert check(relay).correct
    assert check(swallows).message == "A word is passed on: `''`. It ends here."
    told = check(lambda port: Shouting(lambda line: "x")).message
    assert told.startswith("Your relay did as it should in 0 of 2 things that were tried. A word is passed on: it came as an x. "), told
    assert "no relay that runs" in check(lambda port: 7).message


def test_a_function_that_sets_up_what_it_is_given(ask):
    @contextlib.contextmanager
    def stage(words):
        made = []
        yield (made,), made

    def visit(server, bench):
        return {"What was set up": list(bench)}

    def solution(made):
        made.append("a")

    def twice(made):
        made += ["a", "a"]

    check = ask(Server("connect", called="engine", returned=False), solution, {twice: "Once."}, cases=lambda draw: [(1,)], visit=visit, stage=stage)
    assert check(solution).correct and check(lambda made: made.append("a") or 7).correct
    assert check(twice).label == "twice" and check(lambda made: made.append("b")).message.startswith("Your engine did as it should in 0 of 1")
    assert "`ZeroDivisionError`" in check(lambda made: 1 / 0).message
    assert "is kept in" in check(lambda made: made.append("b")).message
    unkept = ask(Server("connect", returned=False, kept=False), solution, {twice: "Once."}, cases=lambda draw: [(1,)], visit=visit, stage=stage)
    assert unkept(lambda made: made.append("b")).message.endswith("What was set up: `['b']`.")


def test_what_the_stage_gives_is_shown_by_its_name(ask):
    @contextlib.contextmanager
    def stage(words):
        yield (51234, ["a"]), None

    def solution(port, words):
        words.append(port)

    check = ask(Server("connect", called="engine", returned=False), solution, {}, cases=lambda draw: [(1,)], visit=lambda server, bench: {}, stage=stage)
    assert check(lambda port, words: 1 / 0).message.startswith("For `connect(port, words)` it stopped with `ZeroDivisionError`")
