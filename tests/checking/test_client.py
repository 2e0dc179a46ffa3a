"""Client: a function that talks to servers which run while it is judged."""

import contextlib
import socket
import threading

import hostile
import pytest

from coursekit.checking import Client, Outcome, Text

STATES = ("answers", "hangs up", "closed", "answers")


@contextlib.contextmanager
def stage(draw):
    """Servers of three sorts on the loopback."""
    opened = []

    def serve(listener, state):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                if state == "answers":
                    connection.sendall(b"hello")
                connection.close()

    cases = []
    for state in STATES:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        opened.append(listener)
        cases.append((("127.0.0.1", listener.getsockname()[1]), state))
        if state != "closed":                                    # which keeps its port, and refuses callers
            listener.listen()
            threading.Thread(target=serve, args=(listener, state), daemon=True).start()
    try:
        yield cases
    finally:
        for listener in opened:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)              # wakes the thread that waits in accept
            listener.close()


def right(state):
    return {"answers": "ok", "hangs up": "no answer", "closed": "refused"}[state]


def probe(host, port):
    try:
        with socket.create_connection((host, port), timeout=15) as connection:
            return "ok" if connection.recv(10) else "no answer"
    except ConnectionRefusedError:
        return "refused"


@pytest.fixture
def check(ask):
    def connected_is_well(state):
        return "refused" if state == "closed" else "ok"

    def always_well(state):
        return "ok"

    def never(state):
        return "refused"

    return ask(Client("probe", result=Text()), probe, {
        connected_is_well: "A connection is no answer.", always_well: "Nothing was asked.", never: "Wrong port."},
        stage=stage, right=right)


def test_a_right_client(check):
    assert check(probe).correct
    assert check(lambda host, port: probe(host, port).upper()).correct


def test_wrong_clients_are_told_apart(check):
    def only_connects(host, port):
        try:
            socket.create_connection((host, port), timeout=15).close()
            return "ok"
        except OSError:
            return "refused"

    assert check(only_connects).label == "connected_is_well"
    assert check(lambda host, port: "ok").label == "always_well"
    assert check(lambda host, port: "refused").label == "never"
    # wrong in one case as a wrong way is, and elsewhere in no known way
    assert check(lambda host, port: "ok" if probe(host, port) != "refused" else "gone").label == "connected_is_well"
    assert check(lambda host, port: "gone").message.startswith("It is right for none of the servers. For server 1")
    partly = check(lambda host, port: "ok" if probe(host, port) != "refused" else "gone").message
    assert partly.startswith("It is right for none of the servers. Look at this first.") or " servers. Look at this first." in partly
    assert "`return` missing" in check(lambda host, port: print(host)).message


def test_untouched_hostile_and_failing_clients(check):
    assert check(...).outcome is Outcome.NOT_ANSWERED
    for label, make in hostile.VALUES:
        verdict = check(make())
        assert verdict.outcome is Outcome.NOT_YET and len(verdict.message) > 10, label
    assert "`ValueError`" in check(hostile.raises).message and check(hostile.raises).message.startswith("At server 1 of ")
    check(probe)


def test_what_the_servers_noticed_counts_whatever_was_returned(ask):
    def noticed(state):
        return None if state != "hangs up" else "You called twice."

    def connected_is_well(state):
        return "refused" if state == "closed" else "ok"

    def always_well(state):
        return "ok"

    def never(state):
        return "refused"

    ways = {connected_is_well: "A connection is no answer.", always_well: "Nothing was asked.", never: "Wrong port."}
    check = ask(Client("probe", result=Text(), noticed=noticed), probe, ways, stage=stage, right=right)
    for function in (probe, lambda host, port: "ok"):
        verdict = check(function)
        assert verdict.outcome is Outcome.NOT_YET and verdict.message == "You called twice." and verdict.label == "noticed"
    assert check(lambda host, port: 1 / 0).label == "error"


def test_what_is_met_may_be_called_otherwise(ask):
    def never(state):
        return "refused"

    def always(state):
        return "ok"

    def hung_up(state):
        return "no answer"

    ways = {never: "Wrong port.", always: "Nothing was asked.", hung_up: "Nobody speaks."}
    kind = Client("probe", result=Text(), called="case", about=lambda state: f"There the door {state}.")
    check = ask(kind, probe, ways, stage=stage, right=right)
    message = check(lambda host, port: "gone").message
    assert message.startswith("It is right for none of the cases. For case 1 it returned `'gone'`. There the door answers. ")
    assert check(lambda host, port: 1 / 0).message.startswith("At case 1 of 4: ")
    nothing = check(lambda host, port: print(host)).message
    assert "For case 1 of 4 your function" in nothing and nothing.endswith("There the door answers.")

    # hangs up where nothing does: in one case as a wrong way is, but without that way's other mistakes
    def half(host, port):
        return "no answer" if probe(host, port) == "ok" else "gone"

    assert check(half).label == "hung_up"
    strict = ask(Client("probe", result=Text(), whole=True), probe, ways, stage=stage, right=right)
    assert strict(half).label == "value" and strict(lambda host, port: "no answer").label == "hung_up"


def test_a_client_that_takes_too_long_is_asked_whether_it_asks_too_often(check, monkeypatch):
    monkeypatch.setattr("coursekit.checking.kinds.client.Client.seconds", 0.3)

    def asks_on_and_on(host, port):
        while True:
            probe(host, port)

    verdict = check(asks_on_and_on)
    assert verdict.label == "time" and "or does it ask far more often than it has to?" in verdict.message
