"""Capture files, packets and TCP streams: round trips, hostile order, noise; dpkt reads the same where it is installed."""

import random
import struct

import pytest

from coursekit.errors import CourseError
from coursekit.standards import pcap
from coursekit.standards.pcap import ACK, CLIENT, FIN, PSH, SERVER, SYN, Connection, Frame, Host, Tap

LINUX = Host("LINUX", "10.20.10.10", "02:48:56:14:0a:0a", ttl=64, timestamps=True, window=262_144, delayed_ack=40_000)
WINDOWS = Host("WINDOWS", "10.20.30.41", "02:48:56:14:1e:29", window=131_072)
START = 1_743_300_000_000_000


def tap(subnet="10.20.10"):
    return Tap(subnet, random.Random(4).randint)


def segment(seq, data=b"", flags=ACK, back=False, ports=(40000, 104)):
    ends = ("10.0.0.1", "10.0.0.2")[::-1 if back else 1]
    ports = ports[::-1 if back else 1]
    return Frame(0, pcap.ethernet("02:00:00:00:00:01", "02:00:00:00:00:02", 0x0800, pcap.ipv4(
        *ends, 6, pcap.tcp(*ends, *ports, seq, 0, flags, 1000, payload=data), 1)))


def joined(*frames):
    return pcap.connections([pcap.dissect(frame, number) for number, frame in enumerate(frames, 1)])


def test_files_of_either_byte_order_and_precision():
    frames = [Frame(START, b"\1" * 60), Frame(START + 999_999, b"\2" * 61)]
    data = pcap.write(frames)
    assert data[:4] == b"\xd4\xc3\xb2\xa1" and len(data) == 24 + 2 * 16 + 121 and pcap.read(data) == frames
    other = struct.pack(">IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1) + struct.pack(">IIII", 5, 7_999, 3, 90) + b"abc"
    assert pcap.read(other) == [Frame(5_000_008, b"abc")]


@pytest.mark.parametrize(("data", "says"), [
    (b"", "A1B2C3D4"), (b"\x0a\x0d\x0d\x0a" + bytes(24), "pcapng"), (b"\xd4\xc3\xb2\xa1" + bytes(8), "A1B2C3D4"),
    (struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1, 127), "127"), (pcap.write([Frame(0, b"abc")])[:-1], "frame 1"),
    (pcap.write([Frame(0, b"abc")]) + b"x", "frame 2"),
])
def test_other_files_are_refused_with_a_sentence(data, says):
    with pytest.raises(pcap.BadCapture, match=says) as caught:
        pcap.read(data)
    assert isinstance(caught.value, CourseError)


def test_checksums():
    assert pcap.checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D                          # RFC 1071, section 3
    assert pcap.checksum(b"") == pcap.checksum(bytes(4)) == 0xFFFF and pcap.checksum(b"\xff\xff") == 0
    chance = random.Random(1)
    for _ in range(200):
        data = chance.randbytes(chance.randrange(1, 60))
        total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        assert pcap.checksum(data) == 0xFFFF - total


def test_a_segment_is_dissected_into_what_it_was_made_of():
    frame = pcap.ethernet("02:00:00:00:00:01", "02:00:00:00:00:02", 0x0800, pcap.ipv4("10.0.0.1", "10.0.0.2", 6, pcap.tcp(
        "10.0.0.1", "10.0.0.2", 40000, 104, 2**32 - 1, 5, PSH | ACK, 512, b"\2\4\5\xb4\1\1\4\2", b"hello"), 77, ttl=63))
    packet = pcap.dissect(Frame(9, frame), 3)
    assert packet.ip == pcap.Ipv4("10.0.0.1", "10.0.0.2", 6, 77, 63, True, True)
    assert packet.tcp == pcap.Tcp(40000, 104, 2**32 - 1, 5, PSH | ACK, 512, ((2, b"\5\xb4"), (4, b"")), True)
    assert (packet.number, packet.time, packet.payload, packet.source, packet.target) == (
        3, 9, b"hello", ("10.0.0.1", 40000), ("10.0.0.2", 104))
    for place in (14 + 8, 14 + 20 + 4):                                                        # time to live, sequence number
        broken = frame[:place] + bytes((frame[place] ^ 1,)) + frame[place + 1:]
        again = pcap.dissect(Frame(9, broken))
        assert (again.ip.checksum_right, again.tcp.checksum_right).count(False) == 1
    asked = pcap.arp(1, "02:00:00:00:00:01", "10.0.0.1", "00:00:00:00:00:00", "10.0.0.2")
    packet = pcap.dissect(Frame(0, pcap.ethernet("02:00:00:00:00:01", "ff:ff:ff:ff:ff:ff", 0x0806, asked)))
    assert packet.arp == (1, "02:00:00:00:00:01", "10.0.0.1", "00:00:00:00:00:00", "10.0.0.2") and packet.ip is None
    assert pcap.dissect(Frame(0, pcap.ethernet("02:00:00:00:00:01", "ff:ff:ff:ff:ff:ff", 0x88CC, b"x"))).payload[:1] == b"x"


def test_noise_raises_nothing_but_bad_capture():
    chance = random.Random(2)
    whole = pcap.write([segment(1, flags=SYN), segment(2, b"hello"), segment(7, b"x" * 50)])
    for _ in range(3000):
        data = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if chance.random() < 0.3:
            del data[chance.randrange(len(data)):]
        try:
            pcap.connections(pcap.packets(data))
        except pcap.BadCapture as error:
            assert str(error)


def test_a_stream_has_each_byte_once_and_in_order():
    frames = [segment(10, b"", SYN), segment(90, b"", SYN | ACK, back=True),
              segment(11, b"abcd"), segment(15, b"efgh"), segment(19, b"ij")]
    talk, = joined(*frames)
    assert (talk.client, talk.server) == (("10.0.0.1", 40000), ("10.0.0.2", 104)) and talk.sent[0].data == b"abcdefghij"
    assert [talk.sent[0].frame(end) for end in (1, 4, 5, 10)] == [3, 3, 4, 5]
    late, = joined(*frames[:2], frames[4], frames[3], frames[2])
    assert late.sent[0].data == b"abcdefghij" and [late.sent[0].frame(end) for end in (4, 10)] == [5, 5]
    twice, = joined(*frames, frames[3], frames[2], segment(13, b"cdefghijkl"))
    assert twice.sent[0].data == b"abcdefghijkl" and twice.sent[0].frame(12) == 8
    gap, = joined(*frames[:3], frames[4])
    assert gap.sent[0].data == b"abcd"
    assert gap.sent[0].frame(5) is None and gap.sent[0].frame(9) == 4
    assert gap.sent[0].gaps == [(4, 4)] and gap.sent[0].end == 10 and gap.sent[0].piece(2, 9) == b"cdi"
    over, = joined(*frames[:2], segment(15, b"efgh"), segment(13, b"CDEFGHIJ"), segment(11, b"ABCD"))
    assert over.sent[0].parts == [(0, b"AB", 5), (2, b"CD", 4), (4, b"efgh", 3), (8, b"IJ", 4)]       # what came first stays


def test_sequence_numbers_wrap_and_ports_are_used_again():
    first = 2**32 - 3
    talk, = joined(segment(first, b"", SYN), segment(first + 1, b"abcd"), segment(2, b"efgh"))
    assert talk.sent[0].data == b"abcdefgh"
    one, two = joined(segment(10, b"", SYN), segment(11, b"one"), segment(14, b"", FIN | ACK),
                      segment(700, b"", SYN), segment(701, b"two"))
    assert one.sent[0].data == b"one" and two.sent[0].data == b"two"
    one, other = joined(segment(10, b"", SYN), segment(10, b"", SYN), segment(500, b"", SYN, ports=(40001, 104)), segment(11, b"x"))
    assert len(one.packets) == 3 and len(other.packets) == 1
    later, = joined(segment(54, b" late", back=True), segment(50, b"seen", back=True))
    assert later.sent[0].data == b"seen late"
    middle, = joined(segment(50, b"seen", back=True), segment(54, b" late", back=True))
    assert middle.client == ("10.0.0.2", 104) and middle.sent[0].data == b"seen late"
    answered, = joined(segment(10, b"", SYN | ACK, back=True), segment(11, b"x", back=True))
    assert answered.client == ("10.0.0.1", 40000) and answered.sent[1].data == b"x"


@pytest.mark.parametrize(("client", "mss"), [(WINDOWS, 1460), (LINUX._replace(ip="10.20.30.9"), 1448)])
def test_two_hosts_talk_as_rfc_9293_says(client, mss):
    sniffer = tap()
    talk = Connection(sniffer, START, client, LINUX, 11112, 50000)
    talk.open()
    asked = bytes(range(256)) * 300
    last, = talk.send(CLIENT, asked)
    talk.think(3000)
    talk.send(SERVER, b"answer")
    talk.close(CLIENT)
    frames = sniffer.frames()
    packets = [pcap.dissect(frame, number) for number, frame in enumerate(frames, 1)]
    assert all(packet.ip.checksum_right and packet.tcp.checksum_right for packet in packets)
    assert [packet.tcp.flags for packet in packets[:3]] == [SYN, SYN | ACK, ACK]
    assert sum(bool(packet.tcp.flags & FIN) for packet in packets) == 2
    assert all(one.time < two.time for one, two in zip(packets, packets[1:]))
    conversation, = pcap.connections(packets)
    assert (conversation.sent[0].data, conversation.sent[1].data) == (asked, b"answer")
    assert conversation.sent[0].frame(len(asked)) == last.number
    sizes = [len(packet.payload) for packet in packets if packet.ip.source == client.ip and packet.payload]
    assert set(sizes[:-1]) == {mss} and sum(sizes) == len(asked)
    # Never more under way than was acknowledged and the congestion window allow; at most one segment unacknowledged.
    acknowledged, sent, heard = 0, 0, 0
    for packet in packets:
        if packet.ip.source == client.ip and packet.payload:
            sent += 1
            assert sent - acknowledged <= 10 + heard + 1
        elif packet.ip.source == LINUX.ip and not packet.tcp.flags & (SYN | FIN) and not packet.payload:
            heard, acknowledged = heard + 2, acknowledged + 2
    assert abs(sent - acknowledged) <= 3
    # The sniffer stands beside LINUX: the client's packets came through the routers.
    assert {packet.ip.ttl for packet in packets if packet.ip.source == client.ip} == {client.ttl - pcap.ROUTERS}
    assert {packet.source_mac for packet in packets if packet.ip.source == client.ip} == {"02:48:56:00:0a:01"}
    idents = [packet.ip.ident for packet in packets if packet.ip.source == client.ip]
    assert [number - idents[0] & 0xFFFF for number in idents] == list(range(len(idents)))
    kinds = {kind for packet in packets for kind, _ in packet.tcp.options}
    assert kinds == {2, 3, 4} | ({8} if mss == 1448 else set())
    if mss == 1448:
        echoed = [struct.unpack(">II", dict(packet.tcp.options)[8]) for packet in packets if packet.ip.source == client.ip]
        said = {struct.unpack(">II", dict(packet.tcp.options)[8])[0] for packet in packets if packet.ip.source == LINUX.ip}
        assert all(echo in said for _, echo in echoed[1:]) and [now for now, _ in echoed] == sorted(now for now, _ in echoed)


def test_a_delayed_acknowledgement_comes_when_its_time_is_up():
    sniffer = tap()
    talk = Connection(sniffer, START, WINDOWS, LINUX, 104, 50000)
    talk.open()
    talk.send(CLIENT, b"one")
    talk.think(500_000)
    talk.send(SERVER, b"late")
    packets = [pcap.dissect(frame) for frame in sniffer.frames()]
    waited = packets[4].time - packets[3].time
    assert packets[4].payload == b"" and 40_000 <= waited < 41_000 and packets[5].payload == b"late"


def test_frames_of_other_links_and_formats():
    """What Wireshark saves (pcapng), what a trunk port sees (VLAN tags), what a loopback or Linux's "any" gives."""
    plain = segment(7, b"hello").data
    tagged = plain[:12] + b"\x81\0\0\x1e" + plain[12:]
    assert pcap.dissect(Frame(0, tagged))[4:] == pcap.dissect(Frame(0, plain))[4:]
    for link, header in ((0, b"\2\0\0\0"), (101, b""), (113, bytes(14) + b"\x08\0"), (276, b"\x08\0" + bytes(18))):
        octets = header + plain[14:59]
        data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link) + struct.pack("<IIII", 5, 9, len(octets), len(octets)) + octets
        packet, = pcap.packets(data)
        assert (packet.time, packet.source, packet.payload) == (5_000_009, ("10.0.0.1", 40000), b"hello"), link
    import io

    import dpkt
    file = io.BytesIO()
    dpkt.pcapng.Writer(file, snaplen=65535).writepkt(plain, 1_743_300_000.123456)
    assert pcap.read(file.getvalue()) == [Frame(1_743_300_000_123_456, plain)]
    with pytest.raises(pcap.BadCapture, match="frame 1") as caught:
        pcap.read(file.getvalue()[:-9])
    assert caught.value.frames == []


def test_ipv6_and_frames_of_which_the_end_was_not_kept():
    import dpkt
    segment6 = dpkt.tcp.TCP(sport=104, dport=5000, seq=3, flags=ACK, data=b"six")
    whole = dpkt.ip6.IP6(src=bytes(15) + b"\1", dst=bytes(15) + b"\2", nxt=6, plen=len(segment6), hlim=64, data=segment6)
    packet = pcap.dissect(Frame(0, bytes(12) + b"\x86\xdd" + bytes(whole)))
    assert (packet.source, packet.target, packet.payload) == (("::1", 104), ("::2", 5000), b"six")
    packet = pcap.dissect(Frame(0, segment(7, b"x" * 100).data[:74]))
    assert (packet.payload, packet.cut) == (b"x" * 20, 80)
