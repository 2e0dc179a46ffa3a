"""The simulated network: what a wrong mask, gateway or address leads to."""

import dataclasses

import pytest

from coursekit.systems.network import Host, Network, Segment

ROOM = Segment("room", "10.1.1.0/26", "10.1.1.1", "02:00:00:00:00:01")
CELLAR = Segment("cellar", "10.1.2.0/24", "10.1.2.1", "02:00:00:00:00:02")
STATION = Host("station", "10.1.1.10", "255.255.255.192", "10.1.1.1", "room", "02:00:00:00:00:10", frozenset({104}), time_to_live=128)
NEAR = Host("near", "10.1.1.11", "255.255.255.192", "10.1.1.1", "room", "02:00:00:00:00:11", frozenset({104}))
FAR = Host("far", "10.1.2.20", "255.255.255.0", "10.1.2.1", "cellar", "02:00:00:00:00:20", frozenset({11112, 22}))
QUIET = Host("quiet", "10.1.2.21", "255.255.255.0", "10.1.2.1", "cellar", "02:00:00:00:00:21", frozenset({80}), answers_ping=False)


def network(*hosts):
    return Network([ROOM, CELLAR], list(hosts), ("10.1.0.1", None), lambda source, target, port: port != 22)


@pytest.mark.parametrize(("changes", "target", "outcome"), [
    ({}, "10.1.1.11", "arrived"), ({}, "10.1.2.20", "arrived"), ({}, "10.1.1.1", "arrived"), ({}, "10.1.2.1", "arrived"),
    ({}, "10.1.1.40", "own wire"), ({}, "10.1.2.99", "at the router"), ({}, "10.9.9.9", "at the router"),
    ({"mask": "255.255.0.0"}, "10.1.1.11", "arrived"), ({"mask": "255.255.0.0"}, "10.1.2.20", "own wire"),
    ({"gateway": "10.1.2.1"}, "10.1.2.20", "own wire"), ({"gateway": "10.1.1.2"}, "10.1.2.20", "own wire"),
    ({"gateway": "10.1.2.1"}, "10.1.1.11", "arrived"),
    ({"ip": "10.1.1.70", "mask": "255.255.255.128"}, "10.1.2.20", "no way back"),
])
def test_how_far_a_packet_comes(changes, target, outcome):
    station = dataclasses.replace(STATION, **changes)
    assert network(station, NEAR, FAR).way(station, target)[0] == outcome


def test_ping_says_who_answers():
    net = network(STATION, NEAR, FAR, QUIET)
    assert "Reply from 10.1.1.11: bytes=32 time<1ms TTL=64" in str(net.ping(STATION, "10.1.1.11"))
    assert "Reply from 10.1.2.20: bytes=32 time<1ms TTL=61" in str(net.ping(STATION, "10.1.2.20"))
    assert "TTL=125" in str(net.ping(FAR, "10.1.1.10"))
    assert "Reply from 10.1.1.10: Destination host unreachable." in str(net.ping(STATION, "10.1.1.12"))
    assert "Reply from 10.1.2.1: Destination host unreachable." in str(net.ping(STATION, "10.1.2.99"))
    silent = str(net.ping(STATION, "10.1.2.21"))
    assert "Request timed out." in silent and "Lost = 4 (100% loss)" in silent
    assert "02-00-00-00-00-11" in str(net.arp(STATION)) and "10.1.2" not in str(net.arp(STATION))
    assert "02-00-00-00-00-01" in str(net.arp(STATION))


def test_ports():
    net = network(STATION, NEAR, FAR, QUIET)
    tried = (("10.1.2.20", 11112), ("10.1.2.20", 104), ("10.1.2.20", 22), ("10.1.2.99", 104), ("10.1.2.21", 80))
    assert [net.connect(STATION, *one) for one in tried] == ["connected", "refused", "timed out", "timed out", "connected"]
    assert "TcpTestSucceeded : True" in str(net.test(STATION, "10.1.2.20", 11112))
    refused, silent = str(net.test(STATION, "10.1.2.20", 104)), str(net.test(STATION, "10.1.2.20", 22))
    assert refused.replace("104", "22") == silent                              # Test-NetConnection does not tell the two apart
    assert "actively refused it 10.1.2.20:104" in str(net.socket(STATION, "10.1.2.20", 104))
    assert "did not properly respond" in str(net.socket(STATION, "10.1.2.20", 22))
    assert "Connected : True" in str(net.socket(STATION, "10.1.2.20", 11112))
    assert "WARNING" in str(net.test(STATION, "10.1.2.20", 104)) and "False" in str(net.test(STATION, "10.1.2.20", 104))


def test_a_host_in_stealth_refuses_nobody():
    hidden = dataclasses.replace(FAR, stealth=True)
    net = network(STATION, NEAR, hidden)
    assert [net.connect(STATION, hidden.ip, port) for port in (11112, 104)] == ["connected", "timed out"]


def test_tracert():
    net = network(STATION, NEAR, FAR, QUIET)
    far = str(net.tracert(STATION, "10.1.2.20")).splitlines()
    assert [row.split()[0] for row in far if row[:3].strip().isdigit()] == ["1", "2", "3", "4"]
    assert far[6].endswith("Request timed out.") and far[7].endswith("10.1.2.20")
    assert str(net.tracert(STATION, "10.1.1.11")).count(" ms") == 3
    assert "10.1.1.10  reports: Destination host unreachable." in str(net.tracert(STATION, "10.1.1.12"))
    assert "10.1.2.1  reports: Destination host unreachable." in str(net.tracert(STATION, "10.1.2.99"))
    assert str(net.tracert(STATION, "10.1.2.1")).endswith("Trace complete.")
    wrong = dataclasses.replace(STATION, ip="10.1.1.70", mask="255.255.255.128")
    assert str(network(wrong, FAR).tracert(wrong, "10.1.2.20")).count("timed out") >= 4


def test_routers_answer_and_send_in_circles():
    far = Segment("site", "10.7.1.0/24", "10.7.1.1", "02:00:00:00:00:07", (((0, 1, 1), "10.1.1.1"), ((), None), ((30, 31, 33), "10.7.1.9")))
    there = Host("there", "10.7.1.20", "255.255.255.0", "10.7.1.1", "site", "02:00:00:00:07:20")
    net = Network([ROOM, CELLAR, far], [STATION, NEAR, FAR, QUIET, there], ("10.1.0.1", None),
                  circles=(("10.8.0.0/16", "10.1.0.9", "10.1.0.1"),))
    for ip, left in (("10.1.1.1", 255), ("10.1.2.1", 253), ("10.1.0.1", 254), ("10.7.1.1", 254), ("127.0.0.1", 128), (STATION.ip, 128)):
        assert f"Reply from {ip}: bytes=32 time<1ms TTL={left}" in str(net.ping(STATION, ip)).replace("=30ms", "<1ms"), ip
    assert STATION.ip not in str(net.arp(STATION)).split("Type")[1]
    assert "Reply from 10.7.1.20: bytes=32 time=30ms TTL=62" in str(net.ping(STATION, "10.7.1.20"))
    rows = str(net.tracert(STATION, "10.7.1.20")).splitlines()[4:-2]
    assert rows == ["  1    <1 ms     1 ms     1 ms  10.1.1.1", "  2     *        *        *     Request timed out.",
                    "  3    30 ms    31 ms    33 ms  10.7.1.20"]
    assert "Reply from 10.1.0.9: TTL expired in transit." in str(net.ping(STATION, "10.8.3.4"))
    rows = str(net.tracert(STATION, "10.8.3.4")).splitlines()[4:-2]
    assert len(rows) == 30 and rows[1].endswith("10.1.0.9") and rows[2].endswith("10.1.0.1")
    assert "Request timed out" in str(net.ping(STATION, "10.1.1.63"))
    assert "timed out" in str(net.tracert(STATION, QUIET.ip)).splitlines()[-3]
    assert str(net.tracert(STATION, "10.1.2.1")).splitlines()[-3] == "  3     1 ms     1 ms     1 ms  10.1.2.1"
    assert net.connect(STATION, STATION.ip, 5) == "refused"
