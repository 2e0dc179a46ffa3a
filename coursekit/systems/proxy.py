"""A proxy between a client and a server on this machine: it disturbs what passes, and captures it without privileges.

    with Archive("HV_PACS") as archive, Proxy((archive.host, archive.port), server="HV_PACS") as proxy:
        ...                                         # the client calls proxy.port instead of archive.port
        proxy.faults = Faults(delay=(0.2, 0.2))
        Sniffer(proxy.capture(), proxy.names)

A proxy is no wire. TCP ends at it and begins anew, so it can't lose a segment: it can only stand still for as long as a repetition would
take. What it captures are the bytes that passed, in their order; their segments and times are played by ``standards.pcap``, so that a
listing is the same on every run. Of time only what a fault costs is in it.
"""

import contextlib
import datetime
import random
import selectors
import socket
import struct
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from itertools import count

from coursekit.standards import pcap
from coursekit.standards import upper_layer as ul
from coursekit.standards.pcap import ACK, CLIENT, FIN, PSH, RST, SERVER, SYN
from coursekit.systems.caller import CONNECT_SECONDS
from coursekit.systems.system import HOST, System

CONNECTIONS = 200                       # at once; who comes later waits. A selector of Windows takes 512 sockets
ROOM = 1 << 20                          # bytes of a direction that are under way; nothing more is read until some have arrived
KEPT = 64 << 20                         # bytes that a capture keeps
PIECE = 65536
TAIL = 65536                            # of what a side sent, as much is shown to `reset_when`
SETTLE = 5.0                            # seconds that the end of a connection is waited for
BEGIN, END = b"\x0b", b"\x1c\r"         # MLLP
_WAIT = 300_000                         # µs until a segment that nobody confirms is repeated; then twice that, and so on (RFC 6298 5.5)
_FIN, _RST = object(), object()
# SO_LINGER with no time at all: close() sends RST. Its two numbers are short on Windows.
_AT_ONCE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


@dataclass(frozen=True)
class Faults:
    """What a proxy does to connections; nothing by default.

    delay           : seconds that everything takes longer: (to the server, to the client)
    bandwidth       : bytes a second in each direction; None: no limit
    lost_every      : of every so many bytes of a direction one segment is "lost": everything behind it stands still for `repeat_after`
    repeat_after    : seconds until TCP repeats a segment; RFC 6298 2.1 begins with one
    reset_after     : RST to both sides as soon as so many bytes have passed, those of both together
    reset_when      : function (side, octets) that says whether to send RST to both sides: side 0 is the client, octets what it has sent so
                      far, its last 64 KiB. What made it say so does not pass any more
    forget_after    : seconds of silence after which the connection is forgotten, as a firewall does it: nothing passes any more, in
                      either direction, and nobody is told
    largest         : bytes; what is sent as one (a PDU, an MLLP frame, or what comes in one go) and is larger never arrives, nor does what
                      its sender sends after it: a path that drops large packets without a word. In the capture the loss lies behind the
                      sniffer, and such segments of it as are small enough arrive, so that the receiver asks for the one before them
    repeats         : how often a sender repeats what nobody confirms, before it gives up
    resets          : whose RST a capture shows where the proxy resets a connection, in this order
    half_open_after : bytes of the client after which the server is gone without the client's knowledge; what the client sends next is
                      answered with RST (RFC 9293 3.5.1)
    """

    delay: tuple = (0.0, 0.0)
    bandwidth: float | None = None
    lost_every: int | None = None
    repeat_after: float = 1.0
    reset_after: int | None = None
    reset_when: object = None
    forget_after: float | None = None
    largest: int | None = None
    half_open_after: int | None = None
    repeats: int = 4
    resets: tuple = (SERVER, CLIENT)


class Proxy(System):
    """Stands between clients and a server.

    to          : (host, port) of the server
    server      : what the server goes by in journal and capture
    client      : the same of a client that does not name itself. In the capture, one that does goes by its calling AE title or by MSH-3
    addresses   : {name: IP address} for the capture; who is not in it gets a free one of 10.20.60.0/24, the server 10.20.10.10
    server_port : the server's port in the capture, whatever it has here
    faults      : a Faults; another one may be set at any time, and holds for what comes from then on
    port        : where it listens; a free port if 0. Read it again after `start`
    at          : when the capture begins, 'YYYY-MM-DD HH:MM:SS' UTC

    One thread carries all connections. Its journal notes them, and what was done to them.
    """

    def __init__(self, to, server="server", client="client", addresses=None, server_port=11112, faults=None, port=0,
                 at="2025-04-07 05:30:00"):
        super().__init__(f"proxy before {server}")
        self.to, self.server, self.client, self.addresses = to, server, client, dict(addresses or {})
        self.server_port, self._faults, self.port, self.at = server_port, faults or Faults(), port, at
        self._seen, self._size, self._numbers = [], 0, count(1)
        self._links, self._selector, self._thread, self._sockets = set(), None, None, []
        self._quiet, self._asked, self._answered, self._ending = threading.Condition(), 0, 0, False

    def __repr__(self):
        return f"<{self.name} {'runs' if self._runs else 'is stopped'}: {len(self.journal)} events>"

    @property
    def faults(self):
        """The Faults of now."""
        return self._faults

    @faults.setter
    def faults(self, faults):
        self._faults = faults
        if self._thread is not None:
            self._wake.sendall(b"\0")                           # for one that waits for bytes alone, and is now to forget who sends none

    # Beginning and end

    def _begin(self):
        self._selector = selectors.DefaultSelector()
        # create_server sets SO_REUSEADDR where it means "at once after a stop", and not on Windows, where it means "share the port".
        listener = socket.create_server((HOST, self.port), backlog=256)
        self._sockets = [listener]
        self._wake, woken = socket.socketpair()
        self._sockets += [self._wake, woken]
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        self._selector.register(woken, selectors.EVENT_READ)
        self._ending = False
        self._thread = threading.Thread(target=self._run, args=(listener,), name=self.name, daemon=True)
        self._thread.start()

    def _end(self):
        if self._thread is not None:
            self._settle()
            self._ending = True
            self._wake.sendall(b"\0")
            self._thread.join()
            self._thread = None
        for link in self._links:
            for one in link.sockets:
                one.close()
        self._links.clear()
        if self._selector is not None:
            self._selector.close()
            self._selector = None
        for one in self._sockets:
            one.close()
        self._sockets = []

    def _settle(self):
        """Wait until what the parties have done already has passed, and the connections that they are closing are closed."""
        with self._quiet:
            self._asked += 1
            asked = self._asked
            self._wake.sendall(b"\0")
            self._quiet.wait_for(lambda: self._answered >= asked, SETTLE)

    # The thread

    def _run(self, listener):
        while not self._ending:
            self._register(listener)
            asked = self._asked
            ready = self._selector.select(self._timeout())
            now = time.monotonic()
            for key, _ in ready:
                if key.fileobj is listener:
                    self._accept(listener, now)
                elif key.data is None:
                    key.fileobj.recv(PIECE)
                else:
                    self._hear(*key.data, now)
            for link in list(self._links):
                self._advance(link, now)
            if self._answered < asked and not ready and not any(link.busy for link in self._links):
                with self._quiet:
                    self._answered = asked
                    self._quiet.notify_all()

    def _register(self, listener):
        """Wait for just what can be gone on with."""
        wanted = {}
        if len(self._links) < CONNECTIONS:
            wanted[listener] = (selectors.EVENT_READ, listener)
        for link in self._links:
            for side, one in enumerate(link.sockets):
                events = link.events(side)
                if events:
                    wanted[one] = (events, (link, side))
        known = {key.fileobj: key for key in list(self._selector.get_map().values()) if key.data is not None}
        for one in known.keys() - wanted.keys():
            self._selector.unregister(one)
        for one, (events, data) in wanted.items():
            if one not in known:
                self._selector.register(one, events, data)
            elif known[one].events != events:
                self._selector.modify(one, events, data)

    def _timeout(self):
        if self._answered < self._asked:
            return 0.01
        dues = [due for link in self._links for due in link.dues(self.faults)]
        return max(min(dues) - time.monotonic(), 0) if dues else None

    def _accept(self, listener, now):
        try:
            client, _ = listener.accept()
        except OSError:                                         # the caller has gone again, or no file handle is left
            return
        try:
            server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        except OSError:
            client.close()
            return
        link = _Link(next(self._numbers), client, server, now)
        for one in link.sockets:
            one.setblocking(False)
            with contextlib.suppress(OSError):                  # macOS refuses it once the caller has gone
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._links.add(link)
        try:
            server.connect(self.to)
        except BlockingIOError:
            pass
        except OSError:
            self._refused(link, "refused")

    def _hear(self, link, side, now):
        if link not in self._links:                             # it ended in this round
            return
        if not link.open:
            if side == SERVER:
                problem = link.sockets[SERVER].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if problem:
                    self._refused(link, "refused")
                else:
                    link.open, link.last = True, now
                    self._keep(link, "open")
            return
        way = link.ways[side]
        if way.ended or way.size >= ROOM:
            return                                              # it is ready to be written to
        try:
            octets = link.sockets[side].recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            octets = _RST
        self._take(link, side, octets if octets else _FIN, now)

    def _take(self, link, side, octets, now):
        """What a side has sent, or that it ended, on its way to the other."""
        way, faults = link.ways[side], self.faults
        way.ended = octets is _FIN or octets is _RST
        if link.gone:                                           # the server is: whatever the client sends is answered with RST
            if not way.ended:
                self._keep(link, "data", side, octets)
            self._keep(link, "rst", SERVER)
            self._note(link, SERVER, "RST", "it does not know the connection")
            self._drop(link, CLIENT)
        elif link.forgotten or way.hole and octets is not _RST:
            if not way.ended:
                self._keep(link, "lost", side, octets)
            elif all(way.ended for way in link.ways):
                self._drop(link)
        elif way.ended:
            way.put(octets, self._due(way, 0, now, side))
        else:
            link.last = now
            way.tail = (way.tail + octets)[-TAIL:]
            if side == CLIENT and not link.noted:
                link.client, link.noted = _name(octets), True
                self._note(link, CLIENT, "connection", f"number {link.number}")
            if self._reset_wanted(side, way.tail):
                self._cut(link)
                return
            passes, lost = (octets, b"") if faults.largest is None else way.fitting(octets, faults.largest)
            self._put(link, side, passes, now)
            if lost:
                way.hole = True
                self._note(link, side, "lost", f"larger than {faults.largest} bytes")
                way.put(("lost", lost), way.last)

    def _put(self, link, side, octets, now):
        way, faults = link.ways[side], self.faults
        while octets:
            part = octets
            if faults.lost_every:
                part = octets[:faults.lost_every - way.count % faults.lost_every]
            way.put(part, self._due(way, len(part), now, side))
            way.count += len(part)
            octets = octets[len(part):]
            if faults.lost_every and way.count % faults.lost_every == 0:
                way.put(("stall", faults.repeat_after), way.last)
                way.last += faults.repeat_after
                self._note(link, side, "stall", f"{faults.repeat_after:g} s, as for a lost segment")

    def _due(self, way, size, now, side):
        way.last = max(now + self.faults.delay[side], way.last)
        if self.faults.bandwidth:
            way.last += size / self.faults.bandwidth
        return way.last

    def _reset_wanted(self, side, octets):
        if self.faults.reset_when is None:
            return False
        try:
            return bool(self.faults.reset_when(side, octets))
        except Exception as error:                              # it is not ours, and the proxy serves others too
            self.journal.add(self.name, self.name, "failed", f"reset_when: {type(error).__name__}: {error}")
            return False

    def _advance(self, link, now):
        """Pass on what is due."""
        faults = self.faults
        if not link.open:
            if now - link.last > CONNECT_SECONDS and link in self._links:
                self._refused(link, "no answer")
            return
        if faults.forget_after is not None and not link.forgotten and not link.gone and now - link.last >= faults.forget_after and not any(
                way.queue for way in link.ways):
            link.forgotten = True
            self._keep(link, "pause", CLIENT, faults.forget_after)
            self._note(link, CLIENT, "forgotten", f"after {faults.forget_after:g} s without a byte")
        for side, way in enumerate(link.ways):
            while link in self._links and way.queue and way.queue[0][0] <= now:
                if not self._pass(link, side, way, now):
                    break
        if link in self._links and all(way.passed_end for way in link.ways):
            self._drop(link)

    def _pass(self, link, side, way, now):
        """Pass on the first that waits; whether that went through."""
        faults, target = self.faults, link.sockets[1 - side]
        what = way.queue[0][1]
        if isinstance(what, tuple):
            way.take()
            self._keep(link, what[0], side, what[1])
        elif what is _FIN:
            way.take()
            way.passed_end = True
            self._keep(link, "fin", side)
            self._note(link, side, "FIN")
            with contextlib.suppress(OSError):                  # it has gone itself
                target.shutdown(socket.SHUT_WR)
        elif what is _RST:
            self._keep(link, "rst", side)
            self._note(link, side, "RST")
            self._drop(link, 1 - side)
        else:
            if faults.reset_after is not None:
                what = what[:max(faults.reset_after - link.passed, 0)]
            try:
                sent = target.send(what) if what else 0
            except BlockingIOError:
                way.blocked = True
                return False
            except OSError:                                     # the other side is gone, and its own queue says how
                way.take()
                return True
            way.blocked, link.last = False, now
            if sent:
                self._keep(link, "data", side, what[:sent])
                way.take(sent)
                link.passed += sent
                way.passed += sent
            if faults.reset_after is not None and link.passed >= faults.reset_after:
                self._cut(link)
            elif side == CLIENT and faults.half_open_after is not None and way.passed >= faults.half_open_after and not link.gone:
                link.gone = True
                self._close(link.sockets[SERVER], reset=True)
                for one in link.ways:
                    one.queue.clear()
                    one.size = 0
                self._note(link, SERVER, "gone", "and the client does not know")
        return True

    def _refused(self, link, how):
        self._keep(link, how)
        self._note(link, SERVER, how)
        self._drop(link, CLIENT)

    def _cut(self, link):
        for side in self.faults.resets:
            self._keep(link, "rst", side)
        self._note(link, SERVER, "RST", "by the proxy, to both")
        self._drop(link, CLIENT, SERVER)

    def _note(self, link, side, what, detail=""):
        ends = (link.client or self.client, self.server)
        self.journal.add(ends[side], ends[1 - side], what, detail)

    def _drop(self, link, *reset):
        """The link is over: close its sockets, those of the sides in `reset` with RST."""
        self._links.discard(link)
        for side, one in enumerate(link.sockets):
            self._close(one, side in reset)

    def _close(self, one, reset):
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(one)
        if reset:
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        one.close()

    # The capture

    def _keep(self, link, what, side=CLIENT, data=None):
        # What comes later a capture doesn't have. An entry takes some memory without any bytes, too.
        full, self._size = self._size > KEPT, self._size + 200 + (len(data) if isinstance(data, bytes) else 0)
        if self._size <= KEPT:
            self._seen.append((link.number, what, side, data, self.faults))
        elif not full:
            self.journal.add(self.name, self.name, "capture full", f"after {KEPT >> 20} MB")

    @property
    def names(self):
        """{IP address: name} of all that the capture shows, as `Sniffer` and the pictures of `figures.packets` take it."""
        return {host.ip: name for name, host in self._hosts(list(self._seen)).items()}

    def capture(self):
        """What passed since the proxy was made, as a pcap file: bytes, the same for the same exchange.

        The sniffer stands at the proxy, beside the server. Each PDU or MLLP frame goes in segments of its own; what is lost behind it is
        seen repeated and not confirmed; at a stall a segment is seen twice. Handshake, FIN and RST are those that happened. It begins with
        the first connection, and ends when KEPT bytes have passed. Connections that are being closed are waited for, at most SETTLE seconds.
        """
        if self._thread is not None:
            self._settle()
        seen = list(self._seen)
        hosts = self._hosts(seen)
        chance = random.Random(0)
        # Of all that this module draws, only random() is promised to be the same on every Python.
        tap = pcap.Tap(hosts[self.server].subnet, lambda low, high: low + int(chance.random() * (high - low + 1)))
        clients, stage = _clients(seen, self.client), _Stage(tap, self.at)
        for number, what, side, data, faults in _joined(seen):
            stage.play(number, what, side, data, faults, hosts[clients.get(number, self.client)], hosts[self.server], self.server_port)
        return pcap.write(tap.frames())

    def _hosts(self, seen):
        """{name: Host} of who is in the capture."""
        hosts = {}
        taken = set(self.addresses.values())
        free = (ip for last in range(10, 255) if (ip := f"10.20.60.{last}") not in taken)
        for name in dict.fromkeys([self.server, *_clients(seen, self.client).values(), self.client]):
            ip = self.addresses.get(name) or ("10.20.10.10" if name == self.server and "10.20.10.10" not in taken else next(free))
            hosts[name] = pcap.Host(name, ip, pcap.hardware_address(ip))
        return hosts


class _Way:
    """One direction of a connection: what is under way."""

    def __init__(self):
        self.queue, self.size, self.last = deque(), 0, 0.0
        self.ended = self.passed_end = self.blocked = self.hole = False
        self.tail, self.count, self.passed, self.units = b"", 0, 0, _Units()

    def put(self, what, due):
        self.queue.append((due, what))
        if isinstance(what, bytes):
            self.size += len(what)

    def take(self, sent=None):
        """The first of the queue is through, or `sent` bytes of it are."""
        due, what = self.queue.popleft()
        if isinstance(what, bytes):
            self.size -= len(what) if sent is None else sent
            if sent is not None and sent < len(what):
                self.queue.appendleft((due, what[sent:]))

    def fitting(self, octets, largest):
        """What of `octets` passes where nothing larger than `largest` does, and what is lost."""
        passes = b""
        for size, part in self.units.feed(octets):
            if size > largest:
                return passes, octets[len(passes):] or part
            passes += part
        if len(self.units.held) > largest:
            return passes, self.units.held
        return passes, b""


class _Link:
    """A client's connection and the one to the server that goes with it."""

    def __init__(self, number, client, server, now):
        self.number, self.sockets, self.ways, self.last = number, (client, server), (_Way(), _Way()), now
        self.open = self.forgotten = self.gone = self.noted = False
        self.client = None                                      # what the client calls itself
        self.passed = 0

    @property
    def busy(self):
        """Whether something is still about to happen by itself: bytes under way, or one side has ended and the other not yet."""
        if self.forgotten or self.gone:
            return False
        return not self.open or any(way.queue or way.ended and not way.hole for way in self.ways)

    def events(self, side):
        """What a socket is waited for."""
        if not self.open:
            return selectors.EVENT_WRITE if side == SERVER else 0
        reads = not (self.gone and side == SERVER) and not self.ways[side].ended and self.ways[side].size < ROOM
        return selectors.EVENT_READ * reads | selectors.EVENT_WRITE * self.ways[1 - side].blocked

    def dues(self, faults):
        """When something is to be done, if no byte comes before."""
        if not self.open:
            yield self.last + CONNECT_SECONDS
        elif faults.forget_after is not None and not self.forgotten and not self.gone:
            yield self.last + faults.forget_after
        yield from (way.queue[0][0] for way in self.ways if way.queue and not way.blocked)


class _Units:
    """Cuts what one side sends into what its application is likely to have sent as one: PDUs, MLLP frames; all else stays as it comes."""

    def __init__(self):
        self.held, self._left, self._size, self._kind = b"", 0, 0, None

    def feed(self, octets):
        """(size of the whole, part of it) for each part; what can't be judged yet is `held`."""
        octets, self.held = self.held + octets, b""
        while octets:
            if self._kind is None or self._kind == "PDU" and not self._left and octets[0] not in ul.NAMES:
                self._kind = "frame" if octets[:1] == BEGIN else "PDU" if octets[0] in ul.NAMES and self._kind is None else "piece"
            if self._kind == "piece":
                yield len(octets), octets
                return
            if self._kind == "frame":
                end = octets.find(END) + len(END)
                if end < len(END):
                    self.held = octets
                    return
                part = octets[:end]
                self._size = end
            else:
                if not self._left:
                    if len(octets) < ul.HEADER:
                        self.held = octets
                        return
                    self._size = self._left = ul.HEADER + int.from_bytes(octets[2:ul.HEADER], "big")
                part = octets[:self._left]
                self._left -= len(part)
            octets = octets[len(part):]
            yield self._size, part


def _clients(seen, otherwise):
    """{number of a connection: what its client goes by}."""
    begun, names = {}, {}
    for number, what, side, data, _ in seen:
        if what in ("data", "lost") and side == CLIENT and len(begun.get(number, b"")) < 1024:
            begun[number] = begun.get(number, b"") + data[:1024]
        names.setdefault(number, otherwise)
    for number, octets in begun.items():
        names[number] = _name(octets) or otherwise
    return names


def _name(octets):
    """What a client calls itself in the first bytes that it sends; None if it doesn't."""
    if octets[:1] == b"\x01" and len(octets) >= 42:
        said = octets[26:42]                                    # PS3.8 9.3.2: the calling AE title
    elif octets[:4] == BEGIN + b"MSH" and len(fields := octets[4:].split(octets[4:5], 3)) > 3:
        said = fields[2].split(b"^")[0]
    else:
        return None
    name = said.decode("latin-1").strip(" \0")
    return name if name.isprintable() and name else None


def _joined(seen):
    """What was seen, with bytes of one side that follow each other joined: how they came in pieces is chance."""
    joined = []
    for one in seen:
        last = joined[-1] if joined else None
        if last and one[1] in ("data", "lost") and last[:3] == one[:3] and last[4] == one[4]:
            last[3].append(one[3])
        else:
            joined.append((*one[:3], [one[3]] if one[1] in ("data", "lost") else one[3], one[4]))
    return [(number, what, side, b"".join(data) if isinstance(data, list) else data, faults) for number, what, side, data, faults in joined]


class _Stage:
    """Plays what a proxy saw as TCP would have carried it."""

    def __init__(self, tap, at):
        self._tap, self._played = tap, {}
        begin = datetime.datetime.strptime(at, "%Y-%m-%d %H:%M:%S") - datetime.datetime(1970, 1, 1)
        self._now = begin // datetime.timedelta(microseconds=1)

    def play(self, number, what, side, data, faults, client, server, port):
        """One thing that was seen of connection `number`."""
        if number not in self._played:
            self._played[number] = _Played(pcap.Connection(self._tap, self._now + 20_000, client, server, port, 50_000 + number))
        played = self._played[number]
        connection = played.connection
        connection.now = max(connection.now, self._now)
        # The tap stands beside the server: what takes longer both ways is a longer way to the client.
        connection.delays = self._tap.delay(client) + round(sum(faults.delay) / 2 * 1e6), self._tap.delay(server)
        connection.pace = 1e6 / faults.bandwidth if faults.bandwidth else 0
        played.faults = faults
        getattr(played, "_" + what.replace(" ", "_"))(side, data)
        self._now = connection.now


class _Played:
    """A connection on the stage, and a method for each thing that a proxy sees."""

    def __init__(self, connection):
        self.connection, self._units, self._stalled, self.faults = connection, (_Units(), _Units()), [None, None], Faults()

    def _open(self, side, data):
        self.connection.open()

    def _refused(self, side, data):
        self.connection.segment(CLIENT, flags=SYN, options=self.connection.offer(CLIENT))
        self.connection.segment(SERVER, flags=RST | ACK)

    def _no_answer(self, side, data):
        connection, wait = self.connection, 1_000_000           # RFC 6298 2.1
        seq, offer = connection.ends[CLIENT].seq, connection.offer(CLIENT)
        connection.segment(CLIENT, flags=SYN, options=offer)
        for _ in range(2):
            connection.think(wait)
            connection.segment(CLIENT, flags=SYN, options=offer, seq=seq, time=connection.now)
            wait *= 2

    def _data(self, side, data):
        writes = [part for _, part in self._units[side].feed(data)]
        if self._units[side].held:
            writes.append(self._units[side].held)
            self._units[side].held = b""
        connection = self.connection
        connection.think(400)
        if self._stalled[side]:
            part, seq = writes[0][:connection.mss], connection.ends[side].seq
            connection.segment(side, part, ACK | PSH)
            connection.think(round(self._stalled[side] * 1e6))
            connection.segment(side, part, ACK | PSH, seq=seq, time=connection.now)
            self._stalled[side] = None
            writes[0] = writes[0][len(part):]
        if any(writes):
            connection.send(side, *(write for write in writes if write))

    def _stall(self, side, seconds):
        self._stalled[side] = seconds

    def _lost(self, side, data):
        connection, wait = self.connection, _WAIT
        connection.think(400)
        seq, size = connection.ends[side].seq, connection.mss
        part, *more = [data[at:at + size] for at in range(0, len(data), size)]
        connection.segment(side, part, ACK | PSH * (not more))
        for place, other in enumerate(more, 1):
            connection.segment(side, other, ACK | PSH * (place == len(more)))
        for other in more:
            if self.faults.largest and len(other) <= self.faults.largest:       # it has arrived, and what was before it has not
                connection.segment(1 - side, ack=seq)
        for _ in range(self.faults.repeats):
            connection.think(wait)
            connection.segment(side, part, ACK | PSH, seq=seq, time=connection.now)
            wait *= 2

    def _pause(self, side, seconds):
        self.connection.think(round(seconds * 1e6))

    def _fin(self, side, data):
        self.connection.think(200)
        self.connection.segment(side, flags=FIN | ACK)
        self.connection.segment(1 - side)

    def _rst(self, side, data):
        self.connection.reset(side)
