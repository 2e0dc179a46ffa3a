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
OWN_WIRE, AT_ROUTER, NO_WAY_BACK, ARRIVED = "own wire", "at the router", "no way back", "arrived"


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
    """A segment (VLAN): its real network, as "10.20.40.0/26", the router's address in it, and that interface's hardware address."""

    name: str
    network: str
    router: str
    router_mac: str


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
    """

    segments: list
    hosts: list
    core: tuple = ()
    allowed: object = None
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
        if address in source.network:
            found = self._on_segment(source.segment, target)
            if found is None:
                return OWN_WIRE, source.ip, None
            return ARRIVED, None, found if isinstance(found, Host) else None
        # Systems differ about a gateway outside their own network; none promises that it works, so here it does not.
        here = self._segment(source.segment)
        if ipaddress.ip_address(source.gateway) not in source.network or source.gateway != here.router:
            return OWN_WIRE, source.ip, None
        there = next((one for one in self.segments if address in ipaddress.ip_network(one.network)), None)
        if there is None:
            return AT_ROUTER, self.core[0] if self.core else here.router, None
        found = self._on_segment(there.name, target)
        if found is None:
            return AT_ROUTER, there.router, None
        return ARRIVED, None, found if isinstance(found, Host) else None

    def _segment(self, name):
        return next(one for one in self.segments if one.name == name)

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
        return "timed out" if host is not None and host.stealth else "refused"

    def ping(self, source, target, typed="", name=""):
        """What `ping` prints at a host; `typed` and `name`: what was typed in place of the address, and the full name of the host."""
        outcome, who, host = self.way(source, target)
        self._remember(source, target, outcome)
        if outcome == ARRIVED and (host is None or host.answers_ping):
            hops = len(self._routers(source, host)) if host else 0
            line = f"Reply from {target}: bytes=32 time<1ms TTL={(host.time_to_live if host else 255) - hops}"
        elif who is not None:
            line = f"Reply from {who}: Destination host unreachable."
        else:
            line = "Request timed out."
        got = 0 if line.startswith("Request") else 4
        asked = f"{name} [{target}]" if name else target
        head = f"C:\\>ping {typed or target}\n\nPinging {asked} with 32 bytes of data:\n"
        return Printed(head + f"{line}\n" * 4 + f"\nPing statistics for {target}:\n"
                       f"    Packets: Sent = 4, Received = {got}, Lost = {4 - got} ({100 - got * 25}% loss)")

    def _routers(self, source, host):
        """The addresses that a tracert shows between two hosts; None for one that does not answer."""
        if source.segment == host.segment:
            return []
        return [self._segment(source.segment).router, *self.core]

    def _remember(self, source, target, outcome):
        """What the host learns by ARP while it sends."""
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
        stops = self._routers(source, host) if host else [self._segment(source.segment).router]
        rows = [_hop(number, address) for number, address in enumerate(stops, 1)]
        if outcome == ARRIVED:
            rows += [_hop(len(rows) + 1, target)] if host is not None and host.answers_ping else []
        elif who is not None:
            rows.append(f"{len(rows) + 1:3}  {who}  reports: Destination host unreachable.")
        else:
            rows += [_hop(len(rows) + number, None) for number in range(1, 5)]
        return Printed(head + "\n".join(rows) + "\n\nTrace complete.")

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


def _hop(number, address):
    if address is None:
        return f"{number:3}     *        *        *     Request timed out."
    time = "<1 ms" if number == 1 else " 1 ms"
    return f"{number:3}    {time}    {time}    {time}  {address}"
