"""A simulated network of hosts, segments and the routers that join them: ping, tracert, arp and TCP as a Windows host sees them.

A host sends to an address that lies in its own network, by its own address and mask, directly: it asks for it by ARP on the segment
into which it is plugged. Anything else goes to its default gateway, which it also finds by ARP. The routers know each segment's real
network and deliver there by ARP as well. So a wrong mask or gateway has the consequences that it has in a building.
"""

import ipaddress
from dataclasses import dataclass, field

SOCKET_SAYS = {       # Windows' texts for the socket errors 10061 and 10060
    "refused": "No connection could be made because the target machine actively refused it",
    "timed out": "A connection attempt failed because the connected party did not properly respond after a period of time, or established "
    "connection failed because connected host has failed to respond",
}
OWN_WIRE, AT_ROUTER, IN_A_CIRCLE, NO_WAY_BACK, ARRIVED = "own wire", "at the router", "in a circle", "no way back", "arrived"
QUICK, MOST_HOPS = (1, 1, 1), 30


@dataclass(frozen=True)
class Host:
    """A host as it is configured, and the segment into which it is really plugged.

    mac           : hardware address, in the form 02:48:56:14:28:0d
    listening     : TCP ports on which a program listens
    answers_ping  : False when it drops echo requests
    time_to_live  : what its system puts into a packet: 128 on Windows, 64 on most others
    stealth       : True when its own firewall keeps back the refusals of ports at which nobody listens, as that of Windows does
    """

    name: str
    ip: str
    mask: str
    gateway: str
    segment: str
    mac: str
    listening: frozenset = frozenset()
    answers_ping: bool = True
    time_to_live: int = 64
    stealth: bool = False

    @property
    def network(self):
        """The network that its address and mask span."""
        return ipaddress.ip_network(f"{self.ip}/{self.mask}", strict=False)


@dataclass(frozen=True)
class Segment:
    """A segment (VLAN): its real network, as "10.20.40.0/26", the router's address in it, and that interface's hardware address.

    far : for one at another site, what a tracert to its hosts shows: a row (three times in ms, address) for each hop, the last for the
          host itself; no times where nothing comes back
    """

    name: str
    network: str
    router: str
    router_mac: str
    far: tuple = ()


class Printed:
    """What a command prints: shown as text, line by line."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


@dataclass
class Network:
    """Segments joined by routers, and the hosts in them.

    core    : the address of the router between the segments' own ones; None as its address means that it answers no tracert
    allowed : function (source ip, target ip, port) that says whether the firewall between segments lets a TCP connection through
    circles : (network, first router, second router) for each network whose packets two routers send to and fro
    """

    segments: list
    hosts: list
    core: tuple = ()
    allowed: object = None
    circles: tuple = ()
    _seen: dict = field(default_factory=dict)

    def way(self, source, target):
        """How far a packet from a Host to an IP address comes, and back: (outcome, the address that says so or None, the Host)."""
        outcome, who, host = self._one_way(source, target)
        if outcome != ARRIVED or host is None:
            return outcome, who, host
        back, _, other = self._one_way(host, source.ip)
        if back != ARRIVED or other != source:
            return NO_WAY_BACK, None, host
        return ARRIVED, None, host

    def _one_way(self, source, target):
        address = ipaddress.ip_address(target)
        if address.is_loopback:
            return ARRIVED, None, source
        if address in source.network:
            if source.network.num_addresses > 2 and address in (source.network.network_address, source.network.broadcast_address):
                return NO_WAY_BACK, None, None                  # sent to all of them at once: nobody is asked for, and nobody answers
            found = self._on_segment(source.segment, target)
            if found is None:
                return OWN_WIRE, source.ip, None
            return ARRIVED, None, found if isinstance(found, Host) else None
        # Systems differ about a gateway outside their own network; none promises that it works, so here it does not.
        here = self._segment(source.segment)
        if ipaddress.ip_address(source.gateway) not in source.network or source.gateway != here.router:
            return OWN_WIRE, source.ip, None
        circle = self._circle(target)
        if circle:
            return IN_A_CIRCLE, circle[0], None
        there = self._segment_of(target)
        if there is None and self._routers_before(source, target) is not None:
            return ARRIVED, None, None
        if there is None:
            return AT_ROUTER, self.core[0] if self.core else here.router, None
        found = self._on_segment(there.name, target)
        if found is None:
            return AT_ROUTER, there.router, None
        return ARRIVED, None, found if isinstance(found, Host) else None

    def _segment(self, name):
        return next(one for one in self.segments if one.name == name)

    def _segment_of(self, target):
        return next((one for one in self.segments if ipaddress.ip_address(target) in ipaddress.ip_network(one.network)), None)

    def _circle(self, target):
        """The two routers that send packets to an address to and fro, or None."""
        found = next((one for one in self.circles if ipaddress.ip_address(target) in ipaddress.ip_network(one[0])), None)
        return found and found[1:]

    def _routers_before(self, source, target):
        """How many routers a packet passes before it comes to a router's own address; None for an address that no router has."""
        there = self._segment_of(target)
        if there is not None and there.router == target:
            return 0 if there.name == source.segment else len(self._stops(source, there)) - 1
        for rows in ([self._segment(source.segment).router, *self.core], *[[ip for _, ip in one.far[:-1]] for one in self.segments],
                     *[[self._segment(source.segment).router, *one[1:]] for one in self.circles]):
            if target in rows:
                return rows.index(target)
        return None

    def _on_segment(self, name, target):
        """Who answers ARP for an address on a segment: a Host, its router (a Segment), or None."""
        segment = self._segment(name)
        if target == segment.router:
            return segment
        return next((host for host in self.hosts if host.segment == name and host.ip == target), None)

    def connect(self, source, target, port):
        """What a TCP connection meets: "connected", "refused" or "timed out"."""
        outcome, _, host = self.way(source, target)
        if outcome != ARRIVED:
            return "timed out"
        if self.allowed and host is not None and host.segment != source.segment and not self.allowed(source.ip, target, port):
            return "timed out"
        if host is not None and port in host.listening:
            return "connected"
        return "timed out" if host is not None and host.stealth and host != source else "refused"

    def ping(self, source, target, typed="", name=""):
        """What `ping` prints at a host; `typed` and `name`: what was typed in place of the address, and the full name of the host."""
        outcome, who, host = self.way(source, target)
        self._remember(source, target, outcome)
        if outcome == ARRIVED and (host is None or host.answers_ping):
            passed = len(self._stops(source, self._segment(host.segment))) if host else self._routers_before(source, target)
            there = self._segment_of(target)
            times = QUICK
            if there is None and host is None:
                times = next(times for times, address in self._way_to_router(target) if address == target)
            elif there is not None and there.far:
                times = there.far[-1][0]
            took = f"={min(times)}ms" if min(times) > 1 else "<1ms"
            line = f"Reply from {target}: bytes=32 time{took} TTL={(host.time_to_live if host else 255) - passed}"
        elif outcome == IN_A_CIRCLE:
            line = f"Reply from {who}: TTL expired in transit."
        elif who is not None:
            line = f"Reply from {who}: Destination host unreachable."
        else:
            line = "Request timed out."
        got = 0 if line.startswith("Request") else 4
        asked = f"{name} [{target}]" if name else target
        head = f"C:\\>ping {typed or target}\n\nPinging {asked} with 32 bytes of data:\n"
        return Printed(head + f"{line}\n" * 4 + f"\nPing statistics for {target}:\n"
                       f"    Packets: Sent = 4, Received = {got}, Lost = {4 - got} ({100 - got * 25}% loss)")

    def _stops(self, source, there):
        """The rows of a tracert for the routers between a host and a segment: (times, address), without times for one that is silent."""
        here = self._segment(source.segment)
        if here.name == there.name:
            return []
        if there.far:
            return list(there.far[:-1])
        return [((0, 0, 0), here.router), *[(QUICK if address else (), address) for address in self.core]]

    def _remember(self, source, target, outcome):
        """What the host learns by ARP while it sends."""
        if target == source.ip or ipaddress.ip_address(target).is_loopback:
            return                                              # nobody is asked for one's own address
        next_hop = target if ipaddress.ip_address(target) in source.network else source.gateway
        found = self._on_segment(source.segment, next_hop)
        seen = self._seen.setdefault(source.name, {})
        if isinstance(found, Host):
            seen[next_hop] = found.mac
        elif found is not None and ipaddress.ip_address(next_hop) in source.network:
            seen[next_hop] = found.router_mac

    def arp(self, source):
        """What `arp -a` prints at a host, after what it has sent so far."""
        seen = sorted(self._seen.get(source.name, {}).items(), key=lambda one: ipaddress.ip_address(one[0]))
        rows = [f"  {ip:<21} {mac.replace(':', '-')}     dynamic" for ip, mac in seen]
        head = f"C:\\>arp -a\n\nInterface: {source.ip} --- 0xb\n  Internet Address      Physical Address      Type"
        return Printed("\n".join([head, *rows]))

    def tracert(self, source, target, typed="", name=""):
        """What `tracert -d` prints at a host; it gives up after four silent hops, to spare paper."""
        outcome, who, host = self.way(source, target)
        self._remember(source, target, outcome)
        asked = f"{name} [{target}]\nover a maximum of 30 hops:" if name else f"{target} over a maximum of 30 hops"
        head = f"C:\\>tracert -d {typed or target}\n\nTracing route to {asked}\n\n"
        if outcome == OWN_WIRE:
            return Printed(head + f"  1  {who}  reports: Destination host unreachable.\n\nTrace complete.")
        here = self._segment(source.segment)
        there = self._segment(host.segment) if host is not None else self._segment_of(target)
        if ipaddress.ip_address(target) in source.network or target.startswith("127."):
            stops = []
        elif there is not None:
            stops = self._stops(source, there)
        else:
            stops = [((0, 0, 0), here.router)]
        answers = outcome == ARRIVED and (host is None or host.answers_ping)
        if answers and host is None:                            # a router: it answers for the stop that it is
            before = self._routers_before(source, target)
            stops = (stops if there is not None else [*stops, *self._way_to_router(target)])[:before]
        rows = [_hop(number, times, address) for number, (times, address) in enumerate(stops, 1)]
        if answers:
            if there is None:
                last = next(times for times, address in self._way_to_router(target) if address == target)
            else:
                last = there.far[-1][0] if there.far else QUICK if rows else (0, 0, 0)
            rows.append(_hop(len(rows) + 1, last, target))
        elif outcome == IN_A_CIRCLE:
            circle = self._circle(target)
            rows += [_hop(number, QUICK, circle[number % 2]) for number in range(2, MOST_HOPS + 1)]
        elif who is not None:
            rows = rows[:-1] if stops and not stops[-1][0] else rows            # the silent one is the router that speaks now
            rows.append(f"{len(rows) + 1:3}  {who}  reports: Destination host unreachable.")
        else:
            rows += [_hop(len(rows) + number, (), None) for number in range(1, 5)]
        return Printed(head + "\n".join(rows) + "\n\nTrace complete.")

    def _way_to_router(self, target):
        """The rows behind the own router on the way to a router that stands in no segment."""
        near = [[(QUICK if address else (), address) for address in way] for way in (self.core, *[one[1:] for one in self.circles])]
        return next(way for way in (*near, *[one.far[1:-1] for one in self.segments]) if target in [address for _, address in way])

    def test(self, source, target, port):
        """What PowerShell's `Test-NetConnection` prints at a host, some lines left out: the same for refused and timed out."""
        said = self.connect(source, target, port)
        text = f"PS C:\\> Test-NetConnection {target} -Port {port}\n\n"
        if said != "connected":
            text += f"WARNING: TCP connect to ({target} : {port}) failed\n"
        return Printed(text + f"RemoteAddress    : {target}\nRemotePort       : {port}\nTcpTestSucceeded : {said == 'connected'}")

    def socket(self, source, target, port):
        """What PowerShell prints when it opens a TCP connection itself: Windows' own words for refused and timed out."""
        said = self.connect(source, target, port)
        text = f'PS C:\\> [Net.Sockets.TcpClient]::new("{target}", {port})\n\n'
        if said == "connected":
            return Printed(text + "Available : 0\nConnected : True")
        return Printed(f'{text}Exception calling ".ctor" with "2" argument(s): "{SOCKET_SAYS[said]} {target}:{port}"')


def _hop(number, times, address):
    cells = "".join(f"{time or '<1':>6} ms" for time in times) if times else "     *   " * 3
    return f"{number:3}{cells}  {address if times else 'Request timed out.'}"
