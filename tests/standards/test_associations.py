"""Connections of pynetdicom that wait for nothing: nothing in them may depend on how often somebody looks."""

import threading
import time

import pytest

from coursekit.standards import associations
from coursekit.systems.archive import Archive
from coursekit.systems.scu import Scu


@pytest.fixture
def nobody_looks(monkeypatch):
    """A connection that nothing wakes is not looked at for minutes, so whoever depends on a look is caught."""
    monkeypatch.setattr(associations, "REST", 300)


def test_all_that_is_sent_and_all_that_comes_wakes_the_connection(nobody_looks):
    start = time.monotonic()
    with Archive("HV_PACS") as archive:
        scu = Scu("CT2", "HV_PACS", archive.port, seconds=100)
        assert [scu.echo() for _ in range(5)] == [0x0000] * 5                       # each on an association that is released
        with scu._associated([("1.2.840.10008.1.1", None)]) as association:
            for _ in range(5):
                assert association.send_c_echo().Status == 0x0000
            association.abort()
    assert time.monotonic() - start < 60


def test_an_open_connection_is_closed_when_its_server_ends(nobody_looks):
    start = time.monotonic()
    archive = Archive("HV_PACS").start()
    with Scu("CT2", "HV_PACS", archive.port, seconds=100)._associated([("1.2.840.10008.1.1", None)]) as association:
        archive.stop()
        while association.is_established and time.monotonic() - start < 60:
            time.sleep(0.01)
        assert not association.is_established
    assert time.monotonic() - start < 60


def test_a_connection_on_which_nothing_passes_hardly_costs_anything():
    with Archive("HV_PACS") as archive:
        with Scu("CT2", "HV_PACS", archive.port)._associated([("1.2.840.10008.1.1", None)]) as association:
            assert association.send_c_echo().Status == 0x0000
            looks, bell, enough, start = [], association.dul.bell, threading.Event(), time.monotonic()

            def look(line):
                looks.append(line)
                if len(looks) == 6:
                    enough.set()
                waits(line)

            waits, bell.wait = bell.wait, look
            assert enough.wait(60)
            del bell.wait
            count = len(looks)
            assert count <= (time.monotonic() - start) / associations.REST + 5      # pynetdicom alone looks fifty times as often


def test_nothing_stays_open_of_a_connection_that_has_ended():
    with Archive("HV_PACS") as archive:
        scu, bells = Scu("CT2", "HV_PACS", archive.port), []
        for ended in ("released", "aborted"):
            with scu._associated([("1.2.840.10008.1.1", None)]) as association:
                (at_the_archive,) = archive._open
                bells += [association.dul.bell, at_the_archive.dul.bell]
                if ended == "aborted":
                    association.abort()
            at_the_archive.join(60)
    assert [bell.heard.fileno() for bell in bells] == [-1] * 4


def test_whoever_is_not_waited_for_is_not_rung():
    bell = associations._Bell()
    bell.ring()
    with pytest.raises(BlockingIOError):
        bell.heard.recv(1)
    bell.wanted = True
    for _ in range(100_000):                                                        # more than a connection holds: it does not block
        bell.ring()
    waiter = threading.Thread(target=bell.wait, args=(None,))
    waiter.start()
    waiter.join(60)
    assert not waiter.is_alive()
