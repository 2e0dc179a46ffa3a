"""Connections of pynetdicom that wait for nothing: nothing in them may depend on how often somebody looks."""

import threading
import time

import pytest

from coursekit.standards import associations
from coursekit.systems.archive import Archive
from coursekit.systems.scu import Scu


@pytest.fixture
def nobody_looks(monkeypatch):
    """A connection that nothing wakes is not looked at for half a minute, so whoever depends on a look is caught."""
    monkeypatch.setattr(associations, "REST", 30)


def test_all_that_is_sent_and_all_that_comes_wakes_the_connection(nobody_looks):
    start = time.monotonic()
    with Archive("HV_PACS") as archive:
        scu = Scu("CT2", "HV_PACS", archive.port)
        assert [scu.echo() for _ in range(5)] == [0x0000] * 5                       # each on an association that is released
        with scu._associated([("1.2.840.10008.1.1", None)]) as association:
            for _ in range(5):
                assert association.send_c_echo().Status == 0x0000
            association.abort()
    assert time.monotonic() - start < 20


def test_an_open_connection_is_closed_when_its_server_ends(nobody_looks):
    start = time.monotonic()
    archive = Archive("HV_PACS").start()
    with Scu("CT2", "HV_PACS", archive.port)._associated([("1.2.840.10008.1.1", None)]) as association:
        archive.stop()
        while association.is_established and time.monotonic() - start < 20:
            time.sleep(0.01)
        assert not association.is_established
    assert time.monotonic() - start < 20


def test_a_connection_on_which_nothing_passes_hardly_costs_anything():
    with Archive("HV_PACS") as archive:
        with Scu("CT2", "HV_PACS", archive.port)._associated([("1.2.840.10008.1.1", None)]) as association:
            assert association.send_c_echo().Status == 0x0000
            looks, bell = [], association.dul.bell
            waits, bell.wait = bell.wait, lambda line: (looks.append(line), waits(line))
            time.sleep(0.3)
            del bell.wait
            assert 0 < len(looks) <= 10                                             # six; pynetdicom alone looks three hundred times


def test_nothing_stays_open_of_a_connection_that_has_ended():
    with Archive("HV_PACS") as archive:
        scu, bells = Scu("CT2", "HV_PACS", archive.port), []
        for ended in ("released", "aborted"):
            with scu._associated([("1.2.840.10008.1.1", None)]) as association:
                (at_the_archive,) = archive._open
                bells += [association.dul.bell, at_the_archive.dul.bell]
                if ended == "aborted":
                    association.abort()
            at_the_archive.join(5)
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
    waiter.join(5)
    assert not waiter.is_alive()
