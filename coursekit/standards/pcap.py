"""Network captures: pcap files, the packets in them, and the connections that the packets make up.

``write`` and ``read`` handle the classic pcap format with Ethernet frames; ``dissect`` reads a frame as ARP or as
TCP over IPv4; ``connections`` puts the bytes of each TCP connection together, whatever order and however often they
came. The builders make frames with right checksums. ``Tap`` and ``Connection`` play two hosts that talk TCP as a
sniffer between them would see it. Headers: RFC 826, 791, 792, 9293; options: RFC 7323.
"""

import struct
from collections import deque
from typing import NamedTuple

from coursekit.errors import CourseError

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ETHERNET = 1                        # the link type
_MAGIC = {0xA1B2C3D4: 1, 0xA1B23C4D: 1000}      # fraction of a second in µs or in ns


class BadCapture(CourseError, ValueError):
    """Bytes that are no capture, or no packet, of the kinds that are read here."""


class Frame(NamedTuple):
    """A captured frame: µs since 1970-01-01 UTC, and its bytes from the Ethernet header on."""

    time: int
    data: bytes


def write(frames):
    """Frames (in order of time) as a classic pcap file, little-endian, µs: bytes."""
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, ETHERNET)]
    for time, data in frames:
        second, fraction = divmod(time, 1_000_000)
        parts += (struct.pack("<IIII", second, fraction, len(data), len(data)), data)
    return b"".join(parts)


def read(data):
    """The frames of a classic pcap file of either byte order, times in µs or ns: a list of Frame.

    Raises BadCapture when it is another format (pcapng is another), has another link type, or is cut short.
    """
    data = bytes(data)
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        raise BadCapture("This is a pcapng file; save it in Wireshark as 'pcap', or convert it with editcap -F pcap.")
    order = next((order for order in "<>" if len(data) >= 24 and struct.unpack_from(order + "I", data)[0] in _MAGIC), None)
    if order is None:
        raise BadCapture("This is no pcap file: it does not begin with A1B2C3D4 in either byte order.")
    divisor = _MAGIC[struct.unpack_from(order + "I", data)[0]]
    link = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
    if link != ETHERNET:
        raise BadCapture(f"The frames of this capture are of link type {link}; only Ethernet ({ETHERNET}) is read here.")
    frames, at = [], 24
    while at < len(data):
        if at + 16 > len(data):
            raise BadCapture(f"The capture ends in the header of frame {len(frames) + 1}.")
        second, fraction, kept, _ = struct.unpack_from(order + "IIII", data, at)
        at += 16
        if at + kept > len(data):
            raise BadCapture(f"The capture ends inside frame {len(frames) + 1}: {kept} bytes are due, {len(data) - at} there.")
        frames.append(Frame(second * 1_000_000 + fraction // divisor, data[at:at + kept]))
        at += kept
    return frames


# --- frames from their parts

def checksum(data):
    """The Internet checksum (RFC 1071) of `data`: 16-bit int; 0 over data that hold their right checksum."""
    if len(data) % 2:
        data += b"\0"
    # Sixteen-bit words added with end-around carry: the number itself modulo 65535.
    total = int.from_bytes(data, "big")
    return 0xFFFF - (total % 0xFFFF or (0xFFFF if total else 0))


def address(text):
    """'10.20.30.41' as 4 bytes, '02:48:56:14:1e:29' as 6."""
    return bytes.fromhex(text.replace(":", "")) if ":" in text else bytes(int(part) for part in text.split("."))


def ethernet(source, target, kind, payload):
    """An Ethernet II frame, without its check sequence, padded to 60 bytes; addresses as text."""
    return (address(target) + address(source) + kind.to_bytes(2, "big") + payload).ljust(60, b"\0")


def arp(operation, sender_mac, sender_ip, target_mac, target_ip):
    """An ARP packet (RFC 826): operation 1 request, 2 reply; addresses as text."""
    return (b"\0\1\x08\0\6\4" + operation.to_bytes(2, "big")
            + address(sender_mac) + address(sender_ip) + address(target_mac) + address(target_ip))


def ipv4(source, target, protocol, payload, ident, ttl=64, dont_fragment=True):
    """An IPv4 packet (RFC 791): protocol 1 ICMP, 6 TCP."""
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident & 0xFFFF, 0x4000 * dont_fragment, ttl, protocol,
                         0, address(source), address(target))
    return header[:10] + checksum(header).to_bytes(2, "big") + header[12:] + payload


def tcp(source, target, source_port, target_port, seq, ack, flags, window, options=b"", payload=b""):
    """A TCP segment (RFC 9293) between the IPv4 addresses `source` and `target`; `options` of a multiple of 4 bytes."""
    segment = struct.pack(">HHIIBBHHH", source_port, target_port, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                          (20 + len(options)) << 2, flags, window, 0, 0) + options + payload
    pseudo = address(source) + address(target) + struct.pack(">BBH", 0, 6, len(segment))
    return segment[:16] + checksum(pseudo + segment).to_bytes(2, "big") + segment[18:]


# --- parts from a frame

class Arp(NamedTuple):
    """operation: 1 request, 2 reply; addresses as text."""

    operation: int
    sender_mac: str
    sender_ip: str
    target_mac: str
    target_ip: str


class Ipv4(NamedTuple):
    source: str
    target: str
    protocol: int
    ident: int
    ttl: int
    dont_fragment: bool
    checksum_right: bool


class Tcp(NamedTuple):
    """`options`: (kind, bytes) of each; `window` as sent, before scaling."""

    source_port: int
    target_port: int
    seq: int
    ack: int
    flags: int
    window: int
    options: tuple
    checksum_right: bool


class Packet(NamedTuple):
    """A frame, dissected. `number` is 1-based as in Wireshark; what the frame does not have is None."""

    number: int
    time: int
    source_mac: str
    target_mac: str
    arp: Arp | None = None
    ip: Ipv4 | None = None
    tcp: Tcp | None = None
    payload: bytes = b""

    @property
    def source(self):
        """(IP address, port) of a TCP segment's sender."""
        return self.ip.source, self.tcp.source_port

    @property
    def target(self):
        """(IP address, port) of a TCP segment's receiver."""
        return self.ip.target, self.tcp.target_port


def _mac(data):
    return data.hex(":")


def _ip(data):
    return ".".join(map(str, data))


def dissect(frame, number=1):
    """A Frame as a Packet. The payload is that of TCP, else of IPv4, else of Ethernet.

    Raises BadCapture when a header is cut short or contradicts itself.
    """
    time, data = frame
    if len(data) < 14:
        raise BadCapture(f"Frame {number} is shorter than an Ethernet header.")
    packet = Packet(number, time, _mac(data[6:12]), _mac(data[:6]), payload=data[14:])
    kind, body = int.from_bytes(data[12:14], "big"), data[14:]
    if kind == 0x0806:
        if len(body) < 28:
            raise BadCapture(f"The ARP packet in frame {number} is cut short.")
        return packet._replace(arp=Arp(int.from_bytes(body[6:8], "big"), _mac(body[8:14]), _ip(body[14:18]),
                                       _mac(body[18:24]), _ip(body[24:28])))
    if kind != 0x0800:
        return packet
    header = (body[0] & 15) * 4 if body else 0
    total = int.from_bytes(body[2:4], "big")
    if header < 20 or body[0] >> 4 != 4 or not header <= total <= len(body):
        raise BadCapture(f"The IPv4 header in frame {number} is cut short or contradicts itself.")
    ident, fragment, ttl, protocol = struct.unpack_from(">HHBB", body, 4)
    ip = Ipv4(_ip(body[12:16]), _ip(body[16:20]), protocol, ident, ttl, bool(fragment & 0x4000), checksum(body[:header]) == 0)
    packet = packet._replace(ip=ip, payload=body[header:total])
    if protocol != 6 or fragment & 0x1FFF:
        return packet
    segment = packet.payload
    start = (segment[12] >> 4) * 4 if len(segment) >= 20 else 0
    if not 20 <= start <= len(segment):
        raise BadCapture(f"The TCP header in frame {number} is cut short or contradicts itself.")
    source_port, target_port, seq, ack, _, flags, window = struct.unpack_from(">HHIIBBH", segment)
    pseudo = body[12:20] + struct.pack(">BBH", 0, 6, len(segment))
    return packet._replace(payload=segment[start:], tcp=Tcp(
        source_port, target_port, seq, ack, flags, window, _read_options(segment[20:start], number),
        checksum(pseudo + segment) == 0))


def _read_options(data, number):
    options, at = [], 0
    while at < len(data) and data[at]:              # 0 ends the list
        if data[at] == 1:                           # 1 is a filler of one byte
            at += 1
            continue
        length = data[at + 1] if at + 1 < len(data) else 0
        if length < 2 or at + length > len(data):
            raise BadCapture(f"The TCP options in frame {number} are cut short.")
        options.append((data[at], data[at + 2:at + length]))
        at += length
    return tuple(options)


def packets(data):
    """Every frame of a pcap file (bytes), dissected: a list of Packet."""
    return [dissect(frame, number) for number, frame in enumerate(read(data), 1)]


class Stream:
    """What one side of a TCP connection sent: `data`, each byte once and in order, up to the first gap."""

    def __init__(self):
        self.data = b""
        self._base = None               # sequence number of the first byte
        self._waiting = {}              # offset -> (bytes) of segments that came before their time
        self._parts, self._length = [], 0
        self._reached = []              # (length of data, frame number) after each frame that made it longer

    def _add(self, packet):
        segment, payload = packet.tcp, packet.payload
        if segment.flags & SYN:
            self._base = segment.seq + 1
            return
        if self._base is None:
            self._base = segment.seq
        offset = (segment.seq - self._base + (1 << 31)) % (1 << 32) - (1 << 31)
        if not payload:
            return
        if len(payload) > len(self._waiting.get(offset, b"")):
            self._waiting[offset] = payload
        before = self._length
        while ready := [offset for offset in self._waiting if offset <= self._length]:
            for offset in ready:
                part = self._waiting.pop(offset)[self._length - offset:]
                self._parts.append(part)
                self._length += len(part)
        if self._length > before:
            self._reached.append((self._length, packet.number))

    def frame(self, end):
        """The number of the frame with which the first `end` bytes of `data` were complete."""
        return next(number for length, number in self._reached if length >= end)


class Conversation:
    """A TCP connection of a capture: `client` and `server` as (IP address, port), its `packets`, and what each sent.

    The client is who sent the SYN, or else who is seen first. `sent` has two streams, the client's and the server's.
    """

    def __init__(self, client, server):
        self.client, self.server, self.packets, self.sent = client, server, [], (Stream(), Stream())


def connections(dissected):
    """The TCP connections among `dissected` packets, in order of their first: a list of Conversation."""
    found, current = [], {}
    for packet in dissected:
        if packet.tcp is None:
            continue
        key = frozenset((packet.source, packet.target))
        known = current.get(key)
        opening = packet.tcp.flags & (SYN | ACK) == SYN
        # The same ports again with another sequence number: a new connection.
        again = known and opening and known.sent[0]._base != packet.tcp.seq + 1
        if known is None or again:
            ends = (packet.source, packet.target)
            if packet.tcp.flags & (SYN | ACK) == SYN | ACK:
                ends = ends[::-1]
            known = current[key] = Conversation(*ends)
            found.append(known)
        known.packets.append(packet)
        known.sent[packet.source != known.client]._add(packet)
    for conversation in found:
        for stream in conversation.sent:
            stream.data = b"".join(stream._parts)
    return found


# --- two hosts that talk TCP, and a sniffer

CLIENT, SERVER = 0, 1
MSS = 1460
TIMESTAMP_OPTION = 12               # bytes of RFC 7323's option with its two fillers


class Host(NamedTuple):
    """A host as its packets show it.

    name         : what people call it
    ip, mac      : text
    ttl          : what it sends: 64 or 128
    timestamps   : it offers the timestamps option, so its full segments carry 1448 bytes instead of 1460
    sack         : it permits selective acknowledgements
    window       : receive window in bytes
    delayed_ack  : how long it holds back an acknowledgement, µs
    """

    name: str
    ip: str
    mac: str
    ttl: int = 128
    timestamps: bool = False
    sack: bool = True
    window: int = 65535
    delayed_ack: int = 200_000

    @property
    def subnet(self):
        """The first three numbers of its address: a subnet of this network has 256 addresses."""
        return self.ip.rpartition(".")[0]


class Sent:
    """A frame that a tap saw. `number` (1-based) is there once the tap is read out."""

    __slots__ = ("time", "number", "build", "who")

    def __init__(self, time, build, who):
        self.time, self.build, self.who, self.number = time, build, who, None


class Tap:
    """A sniffer in the subnet `subnet`; frames from and to other subnets pass the router at its address .1.

    chance : function of (low, high) that gives a whole number between them, both included
    """

    def __init__(self, subnet, chance):
        self.subnet, self.chance, self._sent, self._idents = subnet, chance, [], {}
        self.cached = {}                # IP address -> hardware address that the router believes in, where it is wrong

    def mac(self, host):
        """The hardware address from which frames of `host` reach this subnet: its own, or the router's."""
        return host.mac if host.subnet == self.subnet else f"02:48:56:00:{int(self.subnet.split('.')[2]):02x}:01"

    def ttl(self, host):
        """The time to live of packets of `host` here: each router on the way takes one."""
        return host.ttl - (host.subnet != self.subnet)

    def delay(self, host):
        """How long a packet of `host` takes to the sniffer, µs."""
        return 40 if host.subnet == self.subnet else 190

    def note(self, time, build, who=None):
        """Take down a frame: `build(time, ident)` gives its bytes; ident is the next IP identification of host `who`."""
        sent = Sent(time, build, who)
        self._sent.append(sent)
        return sent

    def arp(self, time, operation, sender_mac, sender_ip, target_mac, target_ip):
        """An ARP request (broadcast) or reply, as seen at `time`."""
        frame = ethernet(sender_mac, "ff:ff:ff:ff:ff:ff" if operation == 1 else target_mac, 0x0806,
                         arp(operation, sender_mac, sender_ip, target_mac, target_ip))
        return self.note(time, lambda time, ident: frame)

    def frames(self):
        """What was seen, in order of time: a list of Frame. Numbers all that was sent, and no two at the same µs."""
        frames, last = [], 0
        for number, sent in enumerate(sorted(self._sent, key=lambda sent: sent.time), 1):
            sent.number = number
            last = sent.time = max(sent.time, last + 1)
            ident = 0
            if sent.who is not None:
                ident = self._idents.setdefault(sent.who, self.chance(0, 0xFFFF))
                self._idents[sent.who] = ident + 1
            frames.append(Frame(sent.time, sent.build(sent.time, ident)))
        return frames


class _End:
    """One end of a connection."""

    def __init__(self, host, port, seq, clock):
        self.host, self.port, self.seq, self.clock = host, port, seq, clock
        self.owed, self.due = 0, 0              # segments received and not yet acknowledged; when that is overdue
        self.window = 10                        # congestion window, segments (RFC 6928)
        self.scale = 8 if host.window > 0xFFFF else 0
        self.stamp, self.heard = 0, 0           # for the timestamps option: what it last heard


class Connection:
    """A TCP connection between two hosts, seen at `tap` from `time` (µs) on. Sides are CLIENT and SERVER.

    `now` is when the last frame was seen.
    """

    def __init__(self, tap, time, client, server, server_port, client_port):
        chance = tap.chance
        self.tap, self.now, self.last = tap, time, CLIENT
        self.ends = tuple(_End(host, port, chance(1, 0xFFFFFFFF), chance(10_000_000, 900_000_000))
                          for host, port in ((client, client_port), (server, server_port)))
        self.timestamps = client.timestamps and server.timestamps
        self.sack = client.sack and server.sack
        self.mss = MSS - TIMESTAMP_OPTION * self.timestamps
        self.delays = tap.delay(client), tap.delay(server)

    # What each of them would do next, and when it would be seen.

    def _turn(self, side):
        """Let `side` react to what was last seen, or go on: moves `now` and returns it."""
        chance = self.tap.chance
        self.now += 2 * self.delays[side] + chance(8, 60) if self.last != side else chance(3, 15)
        self.last = side
        return self.now

    def think(self, microseconds):
        """Let time pass; acknowledgements that become overdue are sent."""
        until = self.now + microseconds
        for side in (CLIENT, SERVER):
            end = self.ends[side]
            if end.owed and end.due < until:
                self.segment(side, time=end.due)
        self.now = until

    def segment(self, side, data=b"", flags=ACK, time=None, seq=None, ack=None, window=None, host=None, options=None):
        """Send one segment as it is, and return it: a Sent. Nothing is advanced but `seq`, if that is not given.

        host : another host that sends it under this side's address (a forged segment)
        """
        end, peer = self.ends[side], self.ends[1 - side]
        if time is None:
            time = self._turn(side)
        if seq is None:
            seq = end.seq
            end.seq += len(data) + bool(flags & (SYN | FIN))
        if ack is None:
            ack = peer.seq if flags & ACK else 0
        if flags & ACK:
            end.owed = 0
        if window is None:
            window = end.host.window >> (0 if flags & SYN else end.scale)
        window = 0 if flags & RST else min(window, 0xFFFF)
        tap, real = self.tap, host or end.host
        fixed = (end.host.ip, peer.host.ip, end.port, peer.port, seq, ack, flags, window)
        mac, ttl, target_mac = tap.mac(real), tap.ttl(real), tap.cached.get(peer.host.ip) or tap.mac(peer.host)
        stamps = self.timestamps and not flags & RST and host is None

        def build(time, ident):
            listed = options or b""
            if stamps:                  # in order of time, so that each echoes what was last heard
                end.stamp = end.clock + time // 1000 % 1_000_000_000
                peer.heard = end.stamp
                listed += b"\1\1\x08\x0a" + struct.pack(">II", end.stamp & 0xFFFFFFFF, end.heard & 0xFFFFFFFF)
            return ethernet(mac, target_mac, 0x0800, ipv4(fixed[0], fixed[1], 6, tcp(*fixed, listed, data), ident, ttl))

        return tap.note(time, build, real)

    def offer(self, side):
        """The options of a SYN, save the timestamps: maximum segment size, window scale, selective acknowledgement."""
        end = self.ends[side]
        options = b"\2\4" + MSS.to_bytes(2, "big")
        if all(end.host.window > 0xFFFF for end in self.ends):
            options += b"\1\3\3" + bytes((end.scale,))
        return options + b"\1\1\4\2" * self.sack

    def open(self):
        """Three-way handshake."""
        if not all(end.scale for end in self.ends):
            for end in self.ends:
                end.scale = 0
        self.segment(CLIENT, flags=SYN, options=self.offer(CLIENT))
        self.segment(SERVER, flags=SYN | ACK, options=self.offer(SERVER))
        return self.segment(CLIENT)

    def send(self, side, *writes):
        """Send what an application writes, each write in segments of its own, acknowledged as the receiver gets them.

        Every second segment is acknowledged at once, a last odd one when the receiver next sends or its time is up
        (RFC 9293 3.8.6.3); no more is under way than the congestion window and the receiver's window allow.
        Returns the last frame of each write: a list of Sent.
        """
        end, peer, chance = self.ends[side], self.ends[1 - side], self.tap.chance
        now, last_ack, acks, flight, lasts = self._turn(side), 0, deque(), 0, []
        most = max(2, peer.host.window // self.mss - 2)
        for write in writes:
            for at in range(0, len(write), self.mss):
                while flight >= end.window and acks:
                    heard, count = acks.popleft()
                    flight -= count
                    end.window = min(end.window + count, most)
                    now = max(now, heard + 2 * self.delays[side] + chance(4, 20))
                part = write[at:at + self.mss]
                final = at + self.mss >= len(write)
                last = self.segment(side, part, ACK | PSH * final, time=now)
                flight += 1
                peer.owed += 1
                peer.due = now + 2 * self.delays[1 - side] + peer.host.delayed_ack
                if peer.owed == 2:
                    last_ack = max(last_ack + 2, now + 2 * self.delays[1 - side] + chance(4, 25))
                    self.segment(1 - side, time=last_ack)
                    acks.append((last_ack, 2))
                now += 12 + chance(0, 4)
            lasts.append(last)
        self.now = max(last.time, last_ack)
        self.last = side if last.time > last_ack else 1 - side
        return lasts

    def close(self, side):
        """FIN of `side`, then of the other, each acknowledged."""
        self.segment(side, flags=FIN | ACK)
        self.segment(1 - side)
        self.think(self.tap.chance(60, 400))
        self.segment(1 - side, flags=FIN | ACK)
        return self.segment(side)

    def reset(self, side):
        """RST of `side`: the connection is gone."""
        return self.segment(side, flags=RST | ACK)

