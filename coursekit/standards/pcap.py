"""Network captures: capture files, the packets in them, and the connections that the packets make up.

``read`` takes pcap and pcapng files, ``dissect`` a frame as ARP, or as TCP over IP; ``connections`` puts the bytes of each TCP connection
together, whatever order and however often they came. dpkt knows the formats. ``write`` and the builders make files and frames with right
checksums. ``Tap`` and ``Connection`` play two hosts that talk TCP as a sniffer between them would see it. Headers: RFC 826, 791, 792, 8200,
9293; options: RFC 7323.
"""

import io
import ipaddress
import struct
from bisect import bisect_right
from collections import deque
from itertools import accumulate, takewhile
from typing import NamedTuple

from coursekit.errors import CourseError

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ETHERNET = 1                        # the link type
IPV4, IPV6, ARP, TCP = 0x0800, 0x86DD, 0x0806, 6        # what an Ethernet frame and an IP packet may carry
# Other link types that captures of one's own have, and the bytes before the IP packet: BSD loopback, raw IP, Linux "any".
_LINKS = {0: 4, 12: 0, 14: 0, 101: 0, 108: 4, 113: 16, 228: 0, 229: 0, 276: 20}


class BadCapture(CourseError, ValueError):
    """Bytes that are no capture, or no packet, of the kinds that are read here.

    frames : those that could be read before, a list of Frame
    """

    frames = ()


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
    """The frames of a pcap or pcapng file (bytes): a list of Frame.

    A frame of another link layer, as captures of a machine's own loopback have it, gets an Ethernet header of zeros in place of its own.
    Raises BadCapture when it is another format, has a link type without IP, or is cut short; the exception's `frames` are those before.
    """
    import dpkt

    data = bytes(data)
    try:
        reader = dpkt.pcap.UniversalReader(io.BytesIO(data))
    except Exception:                   # whatever a parser of foreign bytes runs into
        raise BadCapture("This is no capture: it begins neither as pcap (A1B2C3D4) nor as pcapng (0A0D0D0A).") from None
    link = reader.datalink() & 0xFFFF
    if link != ETHERNET and link not in _LINKS:
        raise BadCapture(f"The frames of this capture are of link type {link}; Ethernet ({ETHERNET}), loopback and raw IP are read here.")
    frames, cut = [], False
    try:
        for time, octets in reader:
            frames.append(Frame(round(time * 1_000_000), octets if link == ETHERNET else _as_ethernet(octets[_LINKS[link]:])))
    except Exception:
        cut = True
    if frames and isinstance(reader, dpkt.pcap.Reader) and not cut:
        # dpkt gives what is there of a last frame without a word; the header before it says how long it should be.
        kept = int.from_bytes(data[-len(octets) - 8:][:4], "little" if data[0] in (0xD4, 0x4D) else "big")
        if kept > len(octets):
            frames.pop()
            cut = True
    if cut:
        problem = BadCapture(f"The capture ends inside frame {len(frames) + 1}, or what follows frame {len(frames)} is damaged.")
        problem.frames = frames
        raise problem
    return frames


def _as_ethernet(packet):
    return bytes(12) + (IPV6 if packet[:1] >= b"\x60" else IPV4).to_bytes(2, "big") + packet


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


def hardware_address(ip):
    """The hardware address that a host of the hospital with this IP address has, as text."""
    return "02:48:56:" + address(ip)[1:].hex(":")


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


class Ipv6(NamedTuple):
    """`ttl` is its hop limit."""

    source: str
    target: str
    protocol: int
    ttl: int


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
    """A frame, dissected. `number` is 1-based as in Wireshark; what the frame does not have is None.

    cut : how many bytes of its payload the frame lacks, because the sniffer kept only its beginning
    """

    number: int
    time: int
    source_mac: str
    target_mac: str
    arp: Arp | None = None
    ip: Ipv4 | Ipv6 | None = None
    tcp: Tcp | None = None
    payload: bytes = b""
    cut: int = 0

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
    return str(ipaddress.ip_address(data))


def dissect(frame, number=1):
    """A Frame as a Packet. The payload is that of TCP, else of IP, else of Ethernet; tags of a VLAN are passed over.

    Raises BadCapture when a header is cut short or contradicts itself.
    """
    import dpkt

    time, data = frame
    try:
        whole = dpkt.ethernet.Ethernet(data)
    except Exception:                   # what carries neither ARP nor IP is not read here, so it matters little why
        whole = None
    if len(data) < 14:
        raise BadCapture(f"Frame {number} is shorter than an Ethernet header.")
    tags = getattr(whole, "vlan_tags", ())
    kind, body = tags[-1].type if tags else int.from_bytes(data[12:14], "big"), data[14 + 4 * len(tags):]
    inner = getattr(whole, "data", None)
    packet = Packet(number, time, _mac(data[6:12]), _mac(data[:6]), payload=body)
    if kind == ARP:
        if not isinstance(inner, dpkt.arp.ARP):
            raise BadCapture(f"The ARP packet in frame {number} is cut short.")
        return packet._replace(arp=Arp(inner.op, _mac(inner.sha), _ip(inner.spa), _mac(inner.tha), _ip(inner.tpa)))
    if kind == IPV4:
        # Without a length it was captured before the network card cut it into segments.
        total = isinstance(inner, dpkt.ip.IP) and (inner.len or len(body))
        if not total or inner.v != 4 or not 4 * inner.hl <= total:
            raise BadCapture(f"The IPv4 header in frame {number} is cut short or contradicts itself.")
        header = 4 * inner.hl
        packet = packet._replace(ip=Ipv4(_ip(inner.src), _ip(inner.dst), inner.p, inner.id, inner.ttl, bool(inner.df),
                                         checksum(body[:header]) == 0))
        later = inner.offset
    elif kind == IPV6:
        if not isinstance(inner, dpkt.ip6.IP6) or inner.v != 6:
            raise BadCapture(f"The IPv6 header in frame {number} is cut short or contradicts itself.")
        total, header, later = 40 + (inner.plen or len(body) - 40), 40, 0
        packet = packet._replace(ip=Ipv6(_ip(inner.src), _ip(inner.dst), inner.nxt, inner.hlim))
    else:
        return packet
    packet = packet._replace(payload=body[header:total], cut=max(total - len(body), 0))
    if packet.ip.protocol != TCP or later:
        return packet
    segment, octets = inner.data, packet.payload
    if not isinstance(segment, dpkt.tcp.TCP) or 4 * segment.off > len(octets):
        raise BadCapture(f"The TCP header in frame {number} is cut short or contradicts itself.")
    pseudo = inner.src + inner.dst + struct.pack(">BBH", 0, TCP, len(octets))
    return packet._replace(payload=octets[4 * segment.off:], tcp=Tcp(
        segment.sport, segment.dport, segment.seq, segment.ack, segment.flags & 0xFF, segment.win, _options(segment.opts),
        checksum(pseudo + octets) == 0))


def _options(octets):
    import dpkt

    # None stands where the list breaks off; kind 0 ends it, kind 1 is a filler.
    whole = takewhile(lambda option: option and option[0], dpkt.tcp.parse_opts(octets))
    return tuple((kind, bytes(value)) for kind, value in whole if kind != 1)


def packets(data):
    """Every frame of a pcap or pcapng file (bytes), dissected: a list of Packet."""
    return [dissect(frame, number) for number, frame in enumerate(read(data), 1)]


class Stream:
    """What one side of a TCP connection sent.

    data         : bytes, each once and in order, up to the first gap
    parts        : (offset, bytes, frame number) of all that is there, in order and without overlap: the frame is that which brought it
    acknowledged : the number of bytes that the other side has confirmed, its FIN counted as one
    finished     : whether its FIN was seen
    """

    def __init__(self):
        self.parts, self.acknowledged, self.finished = [], 0, False
        self._base = None               # sequence number of the first byte
        self._opened = False            # whether the SYN was seen, so that nothing comes before the first byte
        self._starts, self._whole = [], []          # of `parts`: the offsets, and the frame with which all up to its end was there

    def offset(self, seq):
        """The offset of the byte with this sequence number; it may lie before the first."""
        return (seq - self._base + (1 << 31)) % (1 << 32) - (1 << 31)

    def _add(self, packet):
        segment, payload = packet.tcp, packet.payload
        if segment.flags & SYN:
            self._base, self._opened = segment.seq + 1, True
            return
        if self._base is None:
            self._base = segment.seq
        self.finished |= bool(segment.flags & FIN)
        start = self.offset(segment.seq)
        if start < 0 and self._opened:
            payload, start = payload[-start:], 0
        # What came first stays: from the first part that reaches beyond `start`, fill what lies between parts.
        parts = self.parts
        place = len(parts)
        while place and parts[place - 1][0] + len(parts[place - 1][1]) > start:
            place -= 1
        while payload:
            free = parts[place][0] - start if place < len(parts) else len(payload)
            if free > 0:
                parts.insert(place, (start, payload[:free], packet.number))
                place += 1
            if place == len(parts):
                break
            end = parts[place][0] + len(parts[place][1])
            payload, start, place = payload[end - start:], end, place + 1

    def _acknowledge(self, ack):
        if self._base is not None:
            self.acknowledged = max(self.acknowledged, self.offset(ack))

    def _finish(self):
        first = min((offset for offset, _, _ in self.parts), default=0)
        if first < 0:                   # the capture began in the middle, and not with the first byte that there is
            self._base, self.acknowledged = self._base + first, self.acknowledged - first
            self.parts = [(offset - first, part, number) for offset, part, number in self.parts]
        self._starts = [offset for offset, _, _ in self.parts]
        self._whole = list(accumulate((number for _, _, number in self.parts), max))
        run, end = [], 0
        for offset, part, _ in self.parts:
            if offset > end:
                break
            run.append(part)
            end += len(part)
        self.data = b"".join(run)

    @property
    def gaps(self):
        """(offset, length) of each place where bytes are missing before others that are there."""
        ends = [0, *(offset + len(part) for offset, part, _ in self.parts)]
        return [(end, start - end) for end, start in zip(ends, self._starts) if start > end]

    @property
    def end(self):
        """The offset behind the last byte."""
        return self.parts[-1][0] + len(self.parts[-1][1]) if self.parts else 0

    def piece(self, start, end):
        """What is there of the bytes from offset `start` to `end`, joined: bytes, as many as that unless some are missing."""
        found = []
        for place in range(max(bisect_right(self._starts, start) - 1, 0), len(self.parts)):
            offset, part, _ = self.parts[place]
            if offset >= end:
                break
            found.append(part[max(start - offset, 0):end - offset])
        return b"".join(found)

    def frame(self, end):
        """The number of the frame with which the first `end` bytes were complete, as far as they are there; None if the last is missing."""
        place = bisect_right(self._starts, end - 1) - 1
        if place < 0 or end > self.parts[place][0] + len(self.parts[place][1]):
            return None
        return self._whole[place]


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
        again = known and opening and known.sent[0]._base not in (None, packet.tcp.seq + 1)
        if known is None or again:
            ends = (packet.source, packet.target)
            if packet.tcp.flags & (SYN | ACK) == SYN | ACK:
                ends = ends[::-1]
            known = current[key] = Conversation(*ends)
            found.append(known)
        known.packets.append(packet)
        side = packet.source != known.client
        known.sent[side]._add(packet)
        if packet.tcp.flags & ACK:
            known.sent[1 - side]._acknowledge(packet.tcp.ack)
    for conversation in found:
        for stream in conversation.sent:
            stream._finish()
    return found


# --- two hosts that talk TCP, and a sniffer

CLIENT, SERVER = 0, 1
ROUTERS = 3                         # on the way from one subnet of the hospital to another, the firewall among them
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
        return host.ttl - ROUTERS * (host.subnet != self.subnet)

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

    `now` is when the last frame was seen, `delays` how long a packet of each side takes to the tap, `pace` how long the line takes for a
    byte (all in µs).
    """

    def __init__(self, tap, time, client, server, server_port, client_port):
        chance = tap.chance
        self.tap, self.now, self.last = tap, time, CLIENT
        self.ends = tuple(_End(host, port, chance(1, 0xFFFFFFFF), chance(10_000_000, 900_000_000))
                          for host, port in ((client, client_port), (server, server_port)))
        self.timestamps = client.timestamps and server.timestamps
        self.sack = client.sack and server.sack
        self.mss = MSS - TIMESTAMP_OPTION * self.timestamps
        self.delays, self.pace = (tap.delay(client), tap.delay(server)), 0

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
                now += round(self.pace * len(part))
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

