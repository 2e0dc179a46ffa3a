"""The proxy: what it does to connections really happens to them, what it captures is sound, and it leaves nothing behind."""

import contextlib
import shutil
import socket
import subprocess
import threading
import time

import pytest
from ports import own_port

from coursekit.standards import pcap
from coursekit.standards.pcap import CLIENT, SERVER
from coursekit.standards.sniffer import Sniffer
from coursekit.systems import caller
from coursekit.systems import proxy as proxies
from coursekit.systems.mllp import Listener, send
from coursekit.systems.proxy import Faults, Proxy
from coursekit.systems.services import running

ADDRESSES = {"WS_ED1": "10.20.40.13", "HV_PACS": "10.20.10.10"}
RESET = ("BrokenPipeError", "ConnectionAbortedError", "ConnectionResetError")       # what systems call it
ORDER = ("MSH|^~\\&|RIS|HVGH|HV_ENGINE|HVGH|20250407073000||ORM^O01|R1|P|2.3.1\rPID|||HV100001^^^HVGH||TESTER^TINA\r"
         "ORC|NW|A1\rOBR|1|A1\r")


@pytest.fixture(scope="module")
def archive():
    with running([("healthy", "HV_PACS")]) as (service,):
        yield service


@contextlib.contextmanager
def before(service, **faults):
    with Proxy((service.host, service.port), server="HV_PACS", addresses=ADDRESSES, faults=Faults(**faults), port=own_port()) as proxy:
        yield proxy


def call(*to, seconds=30, **more):
    return caller.call(*to, seconds=seconds, **more)


class Echo:
    """A server that sends back what it gets, at least so many bytes at once, and notes how each connection ended."""

    def __init__(self, least=1):
        self.least = least

    def __enter__(self):
        self.socket, self.ended, self.threads = socket.create_server(("127.0.0.1", 0), backlog=256), [], []
        self.to = self.socket.getsockname()
        self.threads.append(threading.Thread(target=self._accept))
        self.threads[0].start()
        return self

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self.threads[-1].start()

    def _serve(self, connection):
        with connection:
            connection.settimeout(60)
            held = b""
            try:
                while octets := connection.recv(65536):
                    held += octets
                    if len(held) >= self.least:
                        connection.sendall(held)
                        held = b""
                self.ended.append("FIN")
            except OSError as error:
                self.ended.append(type(error).__name__)

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)              # wakes accept() on Linux; on others close() does
        self.socket.close()
        for thread in self.threads:
            thread.join(10)


def sniffed(proxy):
    return Sniffer(proxy.capture(), proxy.names)


def exchange(proxy, octets, seconds=30.0, expect=None):
    """Send, and read as many bytes as come back: what came, or the name of the error."""
    got = b""
    try:
        with socket.create_connection((proxy.host, proxy.port), timeout=seconds) as client:
            client.sendall(octets)
            while len(got) < (len(octets) if expect is None else expect):
                part = client.recv(65536)
                if not part:
                    break
                got += part
    except OSError as error:
        return type(error).__name__
    return got


def test_what_passes_is_captured_the_same_on_every_run(archive):
    files = []
    for _ in range(2):
        with before(archive) as proxy:
            answer = call(proxy.host, proxy.port, "HV_PACS", "WS_ED1")
            assert answer.status == 0
            files.append(proxy.capture())
            seen = sniffed(proxy)
        assert proxy.capture() == files[-1]
    assert files[0] == files[1]
    row = seen.conversations.iloc[0]
    assert (row.client, row.server, row.opened, row.ended, row.utc) == ("WS_ED1", "HV_PACS", "yes", "FIN by client", "2025-04-07 05:30:00")
    assert list(seen.pdus.pdu) == ["A-ASSOCIATE-RQ", "A-ASSOCIATE-AC", "P-DATA-TF", "P-DATA-TF", "A-RELEASE-RQ", "A-RELEASE-RP"]
    assert seen.oddities.empty and len(seen.packets) == 13 and proxy.names == {"10.20.10.10": "HV_PACS", "10.20.40.13": "WS_ED1",
                                                                              "10.20.60.10": "client"}
    assert repr(list(proxy.journal)) == repr([*proxy.journal]) and [event.what for event in proxy.journal] == ["connection", "FIN", "FIN"]
    assert repr(proxy) == "<proxy before HV_PACS is stopped: 3 events>" and proxy.journal[0].source == "WS_ED1"


def test_delay_and_bandwidth(archive):
    with before(archive, delay=(0.02, 0.03)) as proxy:
        begun = time.monotonic()
        assert call(proxy.host, proxy.port, "HV_PACS").status == 0
        assert time.monotonic() - begun >= 3 * 0.05                      # association, echo, release
        assert sniffed(proxy).timing.waiting[0] == pytest.approx(0.05, abs=0.002)
    with Echo(80_000) as echo, Proxy(echo.to, faults=Faults(bandwidth=400_000)) as proxy:
        begun = time.monotonic()
        assert exchange(proxy, b"x" * 80_000) == b"x" * 80_000
        assert 0.4 <= time.monotonic() - begun < 20
        talk = sniffed(proxy).talks[0]
        sent = [packet.time for packet in talk.packets if packet.payload and packet.source == talk.client]
        assert (sent[-1] - sent[0]) / 1e6 == pytest.approx(0.2, rel=0.1)


def test_a_lost_segment_shows_as_a_stall(archive):
    with before(archive, lost_every=140, repeat_after=0.1) as proxy:
        begun = time.monotonic()
        assert call(proxy.host, proxy.port, "HV_PACS").status == 0
        assert time.monotonic() - begun >= 0.2
        seen = sniffed(proxy)
    assert set(seen.oddities.what) == {"sent again"} and len(seen.oddities) >= 3 and len(seen.pdus) == 6 and not seen.pdus.missing.any()
    assert [event.what for event in proxy.journal].count("stall") == len(seen.oddities)


def test_a_reset_after_bytes_or_on_a_condition(archive):
    with before(archive, reset_after=300) as proxy:
        assert call(proxy.host, proxy.port, "HV_PACS").reply == "hung up"
        seen = sniffed(proxy)
    assert seen.conversations.sent_client.item() + seen.conversations.sent_server.item() == 300
    assert list(seen.oddities.what) == ["RST", "RST"]
    with Echo() as echo, Proxy(echo.to, faults=Faults(reset_when=lambda side, octets: side == 0 and b"image" in octets)) as proxy:
        assert exchange(proxy, b"no picture") == b"no picture"
        assert exchange(proxy, b"one image") in RESET
        assert proxy.journal.wait("RST")
    reset, closed = sorted(echo.ended)
    assert reset in RESET and closed == "FIN"


def test_a_condition_that_fails_disturbs_nobody(archive):
    with before(archive, reset_when=lambda side, octets: 1 / 0) as proxy:
        assert call(proxy.host, proxy.port, "HV_PACS").status == 0
    assert "ZeroDivisionError" in next(event.detail for event in proxy.journal if event.what == "failed")


def test_what_is_idle_is_forgotten_and_nobody_is_told():
    with Echo() as echo, Proxy(echo.to) as proxy:
        with socket.create_connection((proxy.host, proxy.port), timeout=30) as client:
            client.sendall(b"before")
            assert client.recv(99) == b"before"
            proxy.faults = Faults(forget_after=0.1)                      # not earlier: a busy machine may take longer for these bytes
            assert proxy.journal.wait("forgotten")
            client.settimeout(0.3)
            client.sendall(b"after")                                     # no error, and no answer
            with pytest.raises(TimeoutError):
                client.recv(99)
            seen = sniffed(proxy)
        assert echo.ended == []                                          # nor does the server know, when the client goes
    assert list(seen.oddities.what) == ["sent again"] * 4 and seen.conversations.ended.item() == ""
    before_, after = (next(packet for packet in seen.packets if packet.payload == octets) for octets in (b"before", b"after"))
    assert 0.1 < (after.time - before_.time) / 1e6 < 0.11


def test_large_segments_fall_into_a_black_hole(archive):
    with before(archive, largest=100) as proxy:
        assert call(proxy.host, proxy.port, "HV_PACS", seconds=0.3).reply == "nothing"
        seen = sniffed(proxy)
    assert list(seen.oddities.what) == ["sent again"] * 4 and seen.conversations.sent_server.item() == 0
    waits = seen.oddities.seconds
    assert waits.diff().iloc[2] == pytest.approx(2 * waits.diff().iloc[1], rel=0.01)
    with Listener("HV_PACS") as listener, Proxy((listener.host, listener.port), faults=Faults(largest=300)) as proxy:
        assert send(proxy.host, proxy.port, ORDER)["MSA-1"] == "AA"
        with pytest.raises(Exception, match="in time"):
            send(proxy.host, proxy.port, ORDER + "NTE|1||" + "x" * 400 + "\r", seconds=0.3)
        assert list(sniffed(proxy).hl7.message) == ["ORM^O01", "ACK"] + ["ORM^O01"]
    assert proxy.journal.wait("lost")


def test_of_a_large_write_the_small_rest_arrives_and_the_receiver_asks_for_what_is_before_it():
    with Echo() as echo, Proxy(echo.to, faults=Faults(largest=1000, repeats=2)) as proxy:
        assert exchange(proxy, b"\x04\0" + (2000).to_bytes(4, "big") + bytes(2000), 0.3, expect=11) == "TimeoutError"
        seen = sniffed(proxy)
    large, small, asked, *again = seen.packets[3:8]
    assert [len(packet.payload) for packet in (large, small, asked, *again)] == [1460, 546, 0, 1460, 1460]
    assert asked.tcp.ack == large.tcp.seq == again[0].tcp.seq and asked.source == large.target
    assert seen.conversations["again"].item() == 2 and seen.conversations["missing"].item() == 0


def test_whose_reset_comes_first_can_be_chosen(archive):
    for resets, ended in (((SERVER, CLIENT), "RST by server"), ((CLIENT, SERVER), "RST by client")):
        with before(archive, reset_after=150, resets=resets) as proxy:
            call(proxy.host, proxy.port, "HV_PACS")
            assert sniffed(proxy).conversations["ended"].item() == ended


def test_small_writes_pass_where_large_ones_do_not():
    with Echo() as echo, Proxy(echo.to, faults=Faults(largest=1000)) as proxy:
        small = b"\x06\0\0\0\0\x04" + bytes(4)
        assert exchange(proxy, small * 200) == small * 200               # however TCP joins them
        large = b"\x04\0" + (2000).to_bytes(4, "big") + bytes(2000)
        assert exchange(proxy, small + large + small, 0.3, expect=11) == "TimeoutError"


def test_half_open(archive):
    with Echo() as echo, Proxy(echo.to, faults=Faults(half_open_after=5)) as proxy:
        with socket.create_connection((proxy.host, proxy.port), timeout=30) as client:
            client.sendall(b"first")
            assert proxy.journal.wait("gone")
            with pytest.raises(TimeoutError):
                client.settimeout(0.2)
                client.recv(99)
            client.sendall(b"second")
            client.settimeout(30)
            with pytest.raises(OSError):
                client.recv(99)
        seen = sniffed(proxy)
    assert len(echo.ended) == 1 and echo.ended[0] in RESET
    assert list(seen.oddities.what) == ["RST"] and seen.conversations.ended.item() == "RST by server"


def test_faults_may_change_while_it_runs(archive):
    with before(archive) as proxy:
        assert call(proxy.host, proxy.port, "HV_PACS").status == 0
        proxy.faults = Faults(reset_after=1)
        assert call(proxy.host, proxy.port, "HV_PACS").reply == "hung up"
        proxy.faults = Faults()
        assert call(proxy.host, proxy.port, "HV_PACS").status == 0
        assert list(sniffed(proxy).conversations.ended) == ["FIN by client", "RST by server", "FIN by client"]


def test_who_ends_it_and_how_reaches_the_other():
    with Echo() as echo, Proxy(echo.to) as proxy:
        with socket.create_connection((proxy.host, proxy.port), timeout=30) as client:
            client.sendall(b"all of it")
            client.shutdown(socket.SHUT_WR)                              # half closed: the answer still comes
            assert client.recv(99) == b"all of it" and client.recv(99) == b""
        client = socket.create_connection((proxy.host, proxy.port), timeout=30)
        client.sendall(b"x")
        assert client.recv(9) == b"x"
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, proxies._AT_ONCE)
        client.close()
        assert proxy.journal.wait("RST")
        assert list(sniffed(proxy).conversations.ended) == ["FIN by client", "RST by client"]
    reset, closed = sorted(echo.ended)
    assert reset in RESET and closed == "FIN"


def test_nobody_there():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))                                     # nobody else can get the port, and nobody listens
        with Proxy(bound.getsockname()) as proxy:
            assert exchange(proxy, b"hello") in RESET
            seen = sniffed(proxy)
    assert seen.conversations.opened.item() == "refused" and [event.what for event in proxy.journal] == ["refused"]


def test_many_at_once_lose_nothing():
    data, got = bytes(range(256)) * 800, []
    with Echo() as echo, Proxy(echo.to) as proxy:
        def one(number):
            octets = data[number:] + data[:number]
            got.append(exchange(proxy, octets, 60) == octets)
        threads = [threading.Thread(target=one, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert got == [True] * 50 and len(sniffed(proxy).talks) == 50


def test_a_receiver_that_does_not_read_stops_the_sender():
    with socket.create_server(("127.0.0.1", 0)) as server, Proxy(server.getsockname()) as proxy:
        with socket.create_connection((proxy.host, proxy.port), timeout=0.3) as client:
            connection, _ = server.accept()
            with connection:
                sent = 0
                with contextlib.suppress(TimeoutError):
                    while sent < 64 << 20:
                        sent += client.send(bytes(1 << 16))
                assert sent < 64 << 20
                connection.settimeout(30)
                got = 0
                while got < sent:
                    got += len(connection.recv(1 << 20))


def test_a_capture_is_bounded(monkeypatch):
    monkeypatch.setattr(proxies, "KEPT", 50_000)
    with Echo() as echo, Proxy(echo.to) as proxy:
        assert exchange(proxy, b"x" * 200_000) == b"x" * 200_000
        assert len(proxy.capture()) < 120_000
    assert [event.what for event in proxy.journal].count("capture full") == 1


def test_nothing_is_left_even_after_an_exception(archive):
    for _ in range(2):
        with pytest.raises(KeyError), before(archive) as proxy:
            client = socket.create_connection((proxy.host, proxy.port), timeout=30)
            raise KeyError
        with client:
            with contextlib.suppress(ConnectionError):
                assert client.recv(9) == b""
        assert not [thread for thread in threading.enumerate() if thread.name == proxy.name]
        with pytest.raises(OSError):
            socket.create_connection((proxy.host, proxy.port), timeout=3).close()
    again = Proxy((archive.host, archive.port), port=own_port()).start().start()
    port = again.port
    with pytest.raises(OSError):
        Proxy((archive.host, archive.port), port=port).start()
    again.stop()
    again.stop()
    again.start()
    assert call(again.host, again.port, "HV_PACS").status == 0
    again.stop()


# --- judges that nobody here wrote


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("faults", [{}, {"delay": (0.01, 0.01)}, {"lost_every": 140, "repeat_after": 0.05}, {"reset_after": 300},
                                    {"largest": 100}, {"half_open_after": 100}, {"bandwidth": 100_000}], ids=repr)
def test_tshark_finds_the_captures_sound(archive, tmp_path, faults):
    with before(archive, **faults) as proxy:
        call(proxy.host, proxy.port, "HV_PACS", seconds=0.2 if {"largest", "half_open_after"} & set(faults) else 30)
        (tmp_path / "proxy.pcap").write_bytes(proxy.capture())
    ran = subprocess.run(["tshark", "-r", tmp_path / "proxy.pcap", "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE",
                          "-T", "fields", "-E", "separator=;", "-e", "frame.number", "-e", "_ws.malformed", "-e", "ip.checksum.status", "-e",
                          "tcp.checksum.status", "-e", "tcp.analysis.flags", "-e", "tcp.analysis.retransmission"],
                         capture_output=True, text=True, check=True)
    rows = [line.split(";") for line in ran.stdout.splitlines()]
    assert rows and all(malformed == "" and ip == tcp == "1" for _, malformed, ip, tcp, *_ in rows)
    seen = Sniffer(tmp_path / "proxy.pcap").oddities
    assert [int(row[0]) for row in rows if row[5]] == list(seen.frame[seen.what == "sent again"])
    assert [row[0] for row in rows if row[4] and not row[5]] == []


@pytest.mark.skipif(shutil.which("echoscu") is None, reason="DCMTK is not installed")
def test_dcmtk_calls_through_it(archive):
    with before(archive) as proxy:
        ran = subprocess.run(["echoscu", "-aet", "DCMTK", "-aec", "HV_PACS", proxy.host, str(proxy.port)], capture_output=True)
        assert ran.returncode == 0
        assert list(sniffed(proxy).messages.message) == ["C-ECHO-RQ", "C-ECHO-RSP"] and proxy.journal[0].source == "DCMTK"


def test_the_frames_have_the_addresses_of_the_hospital(archive):
    with before(archive) as proxy:
        call(proxy.host, proxy.port, "HV_PACS", "WS_ED1")
        packets = pcap.packets(proxy.capture())
    assert {packet.ip.source for packet in packets} == set(ADDRESSES.values()) and packets[0].target == ("10.20.10.10", 11112)
    assert all(packet.ip.checksum_right and packet.tcp.checksum_right for packet in packets)
    assert {packet.source_mac for packet in packets} == {"02:48:56:14:0a:0a", "02:48:56:00:0a:01"}
