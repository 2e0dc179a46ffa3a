"""The audit record repository: whatever comes is kept, and nothing that was sent is lost."""

import random
import socket
import threading
import time

import pytest
from ports import own_port

from coursekit.errors import CourseError
from coursekit.hospital import hospital
from coursekit.standards import audit
from coursekit.systems import audit_repository
from coursekit.systems.audit_repository import AuditRepository, AuditSender, Unsent
from coursekit.systems.certificates import Authority, caller_context

LOGIN = audit.message("110114", "E", "2025-04-07T06:00:00Z", audit.participant("ctuser", True, host="10.20.30.41"), "CTER01", event_type="110122")


def record(text=LOGIN, host="cter01"):
    return audit.syslog(text, "2025-04-07T06:00:00Z", host, "ct")


@pytest.fixture
def repository():
    with AuditRepository() as repository:
        yield repository


def send(repository, *messages, **how):
    with AuditSender("127.0.0.1", repository.udp_port if how.get("udp") else repository.port, **how) as sender:
        for message in messages:
            sender.send(message)


def test_what_was_sent_is_kept(repository):
    send(repository, record(), record(audit.message("110112", "E", "2025-04-07T06:01:00Z", audit.participant("koe", True), "WS1",
                                                    audit.patient("HV100234", "VANDERMEER^ANNA"))))
    assert repository.settle(2)
    records = repository.records()
    assert list(records.event) == ["110114", "110112"] and list(records.users) == ["ctuser", "koe"] and list(records.patients) == ["", "HV100234"]
    assert list(records.event_type)[0] == "110122" and set(records.way) == {"TCP"} and set(records.problems) == {""}
    assert audit.read_syslog(repository.message(1)).text == LOGIN and repr(repository) == "<audit record repository ARR runs: 2 records>"
    with pytest.raises(CourseError, match="no record 9"):
        repository.message(9)


def test_over_udp(repository):
    send(repository, record(), udp=True)
    assert repository.settle(1) and repository.records().way[1] == "UDP"


@pytest.mark.parametrize("octets, problem", [
    (b"hello", "no header of RFC 5424"), (b"\xff\xfe", "not UTF-8"), (record("no xml").encode(), "XML"),
    (record("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>").encode(), ""), (record("<AuditMessage/>").encode(), "EventIdentification"),
])
def test_what_is_no_sound_message_is_kept_with_what_is_wrong(repository, octets, problem):
    send(repository, octets, record())
    assert repository.settle(2)
    records = repository.records()
    assert problem in records.problems[1] and records.problems[1] and records.problems[2] == "" and repository.message(1) == octets


def test_a_stream_that_can_not_be_read_on(repository):
    with socket.create_connection(("127.0.0.1", repository.port), timeout=30) as connection:
        connection.sendall(audit.frame(record()) + b"99999999999 x")
        assert connection.recv(1) == b""                                    # it hangs up
    assert repository.settle(2) and "can't be read on" in repository.message(2).decode()
    draw = random.Random(1)
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", repository.port), timeout=5) as connection:
            connection.sendall(draw.randbytes(draw.randrange(1, 3_000)))
    send(repository, record())
    assert repository.settle(len(repository) or 1)


def test_twenty_senders_at_once_lose_nothing(repository):
    def sender(number):
        send(repository, *(record(host=f"host{number}") for _ in range(100)))

    threads = [threading.Thread(target=sender, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert repository.settle(2_000, 120) and set(repository.records().groupby("host").size()) == {100}


def test_a_sender_keeps_what_it_can_not_send():
    with AuditRepository(port=own_port()) as first:
        port = first.port
        sender = AuditSender("127.0.0.1", port)
        sender.send(record())
        assert first.settle(1)
    with pytest.raises(Unsent, match="kept"):
        for _ in range(50):                                                 # what the network has taken already is lost, that is syslog
            sender.send(record(host="kept"))
    waiting = len(sender.kept)
    with AuditRepository(port=port) as again:
        sender.send(record(host="last"))
        assert again.settle(waiting + 1) and again.records().host.iloc[-1] == "last" and sender.kept == []
    sender.close()


def test_the_hospitals_trail_goes_through(repository):
    messages = hospital(0, "tiny").audit.lines[:3_000]
    send(repository, *messages)
    assert repository.settle(len(messages), 120)
    records = repository.records()
    assert len(records) == len(messages) and (records.problems == "").mean() > 0.95
    assert [audit.read_syslog(repository.message(number)) for number in (1, 2, 3)] == [audit.read_syslog(text) for text in messages[:3]]


def test_what_was_kept_is_there_again(tmp_path):
    with AuditRepository(folder=tmp_path) as repository:
        send(repository, record())
        assert repository.settle(1)
    with AuditRepository(folder=tmp_path) as repository:
        assert len(repository) == 1


def test_stop_does_not_wait_for_silent_senders():
    repository = AuditRepository().start()
    with socket.create_connection(("127.0.0.1", repository.port)) as silent:
        silent.sendall(b"12")
        repository.stop()
    assert repr(repository) == "<audit record repository ARR is stopped>"


def test_stop_waits_neither_for_tls_nor_for_a_connection_whose_thread_comes_late(tmp_path, monkeypatch):
    monkeypatch.setattr(audit_repository, "PATIENCE", 60)
    authority = Authority(tmp_path)
    certified, take, begun, start = authority.issue("ARR"), AuditRepository._take_stream, threading.Event(), time.monotonic()

    def late(repository, connection, tls):
        begun.set()
        while not repository._ending:                                       # until nobody looks for it any more
            time.sleep(0.01)
        take(repository, connection, tls)

    with AuditRepository(certificates=certified) as repository:
        silent = caller_context(certified).wrap_socket(socket.create_connection(("127.0.0.1", repository.port)))
        mute = socket.create_connection(("127.0.0.1", repository.port))     # which does not even begin with TLS
        silent.sendall(audit.frame(record()) + b"12")
        assert repository.settle(1, 30)
    with monkeypatch.context() as patch, AuditRepository() as repository:
        patch.setattr(AuditRepository, "_take_stream", late)
        other = socket.create_connection(("127.0.0.1", repository.port))
        assert begun.wait(30)
    for connection in (silent, mute, other):
        connection.close()
    assert time.monotonic() - start < 50
