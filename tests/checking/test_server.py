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
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
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
    other = check(lambda greeting: Shouting(lambda line: "no"))
    assert other.label == "value" and "in 0 of 4 things" in other.message and check.exercise.failed == ("ho",)


def test_what_is_no_server(check):
    assert "`return` missing" in check(lambda greeting: print(greeting)).message
    assert "it has no port" in check(lambda greeting: 7).message
    assert "`ZeroDivisionError`" in check(lambda greeting: 1 / 0).message
    assert check(...).outcome is Outcome.NOT_ANSWERED
    for label, make in hostile.VALUES:
        verdict = check(make())
        assert verdict.outcome is Outcome.NOT_YET and len(verdict.message) > 10, label


def test_a_server_for_the_whole_network_is_refused(check):
    class Open:
        server_address = ("0.0.0.0", 104)

    assert "other machines can reach it" in check(lambda greeting: Open()).message


def test_a_client_that_is_left_alone_says_so(check):
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()

    class Gone:
        pass

    Gone.port = port
    assert "could not finish its visit" in check(lambda greeting: Gone()).message


def test_every_server_is_stopped(check):
    before = threading.active_count()
    ports = []

    def noted(greeting):
        server = solution(greeting)
        ports.append(server.port)
        return server

    assert check(noted).correct
    assert threading.active_count() <= before + 1
    for port in ports:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            raise AssertionError("still listens")
