"""A new workstation, from its address to its first image: the exercises of lesson cpas-11."""

import contextlib
import dataclasses
import ipaddress
import re

from coursekit.checking import Choice, Client, Config, Fields, Lesson, Number, Outcome, Set, Text, Verdict
from coursekit.checking.kinds.base import Difference
from coursekit.checking.kinds.text import word_of_a_table
from coursekit.checking.reading import Unreadable
from coursekit.hospital import world
from coursekit.hospital.draws import Draws
from coursekit.lessons import cpas_10_networks as networks
from coursekit.systems import services
from coursekit.systems.network import ARRIVED, Host, Network, Printed, Segment

lesson = Lesson(
    "cpas-11",
    title="A new workstation: IP address, port, ping, tracert",
    version=1,
    minutes=100,
    objectives=[
        "give a workstation its address, mask, gateway, port and AE title, and get it entered at the archive",
        "say from ping, tracert and arp what is proven, what is not, and how far a connection comes",
        "test a DICOM service rung by rung, and tell a closed port, a wrong title and a refused context apart",
    ],
    covers=["configure a new workstation with IP address and port, and troubleshoot with ping and tracert"],
    needs=["cpas-01"],
)

BURNER = "BURNER1", "10.20.40.70", 104
DNS, DOMAIN = "10.20.50.5", ".hvgh.example"
PACS_NAME = "hv-pacs" + DOMAIN
PLAN = (            # name, network, router
    ("imaging servers", "10.20.10.0/24", "10.20.10.1"), ("clinical servers", "10.20.20.0/24", "10.20.20.1"),
    ("modalities", "10.20.30.0/24", "10.20.30.1"), ("workstations", "10.20.40.0/26", "10.20.40.1"),
    ("film and discs", "10.20.40.64/26", "10.20.40.65"), ("infrastructure", "10.20.50.0/24", "10.20.50.1"),
)
WORKSTATIONS = ipaddress.ip_network("10.20.40.0/26")
USED = {            # what the list of addresses says about the workstations' network
    "10.20.40.1": "gateway", "10.20.40.2": "switch", "10.20.40.3": "switch",
    "10.20.40.11": "WS_CH1", "10.20.40.12": "WS_MG1", "10.20.40.13": "WS_ED1", "10.20.40.14": "WS_TEACH1, teaching room",
}
OFF, UNLISTED = "10.20.40.14", "10.20.40.15"        # used and switched off; in use and on no list
FIXED = [f"10.20.40.{last}" for last in range(10, 20)]
POOL = [f"10.20.40.{last}" for last in range(20, 60)]
TAKEN_PORT, STATION_PORT, PACS_PORT = 104, 11112, 11112
FIRST_GATEWAY = "10.20.41.1"                        # what was typed into WS_ED1 on Friday; no router has it
EC_PACS = "EC_PACS", "10.60.10.10", 11112
CIRCLE = "10.20.64.0/19", "10.20.0.9", "10.20.0.1"  # a network that nobody has, and the two routers that send its packets to and fro
OPEN_TO_STATIONS = (104, 11112)                     # what the firewall lets through from the archive to the workstations


def _mac(ip):
    """The hardware address of a host of the hospital, as the captures have it."""
    return "02:48:56:" + bytes(int(part) for part in ip.split(".")[1:]).hex(":")


def _segment_of(ip):
    return next(name for name, network, _ in PLAN if ipaddress.ip_address(ip) in ipaddress.ip_network(network))


def _hosts():
    """The hosts of the plan that are switched on, rightly configured."""
    found = [(aet, host, {port}) for aet, host, port, *_ in world.DEVICES if aet != "CT_ER"]
    found += [(BURNER[0], BURNER[1], {BURNER[2]}), ("DNS", DNS, {53}), ("label printer", UNLISTED, {9100})]
    network_of, router_of = {name: network for name, network, _ in PLAN}, {name: router for name, _, router in PLAN}
    hosts = []
    for name, ip, ports in found:
        segment = _segment_of(ip)
        mask = str(ipaddress.ip_network(network_of[segment]).netmask)
        windows = name.startswith("WS_")
        hosts.append(Host(name, ip, mask, router_of[segment], segment, _mac(ip), frozenset(ports), time_to_live=128 if windows else 64,
                          stealth=windows))
    return hosts


def _network(hosts, far=()):
    segments = [Segment(name, network, router, _mac(router)) for name, network, router in PLAN]
    return Network([*segments, *far], hosts, ("10.20.0.1", None), _allowed, (CIRCLE,))


def _house(hospital, *changed):
    """The network as the lesson shows it, with Eastcliff, and its hosts by their names; `changed`: hosts that are set up in another way."""
    quiet = _targets(hospital)["b"]
    rows = tuple((tuple(times), ip) for _, times, ip in lesson.input_of("hops", hospital))
    far = [Segment(f"Eastcliff {network}", network, router, _mac(router), rows)
           for network, router in (("10.60.40.0/24", "10.60.40.1"), ("10.60.10.0/24", "10.60.10.1"))]
    hosts = _hosts()
    if quiet not in [host.ip for host in hosts]:
        name = _segment_of(quiet)
        hosts.append(Host("quiet", quiet, "255.255.255.0", next(router for one, _, router in PLAN if one == name), name, _mac(quiet)))
    hosts = [dataclasses.replace(host, answers_ping=host.ip != quiet) for host in hosts]
    for (name, ip, port), segment, ttl in zip((networks.EASTCLIFF, EC_PACS), far, (128, 64)):
        hosts.append(Host(name, ip, "255.255.255.0", segment.router, segment.name, _mac(ip), frozenset({port}), time_to_live=ttl,
                          stealth=ttl == 128))
    other = [host for host in hosts if host.name not in [one.name for one in changed]]
    return _network([*other, *changed], far), {host.name: host for host in (*other, *changed)}


def _allowed(source, target, port):
    """What the firewall between the segments lets through to the workstations and to the archive."""
    if ipaddress.ip_address(target) in WORKSTATIONS:
        return source == "10.20.10.10" and port in OPEN_TO_STATIONS
    if target == "10.20.10.10":
        return port in (PACS_PORT, 2762)
    return True


class Desk:
    """A workstation in the simulated network: the commands that one would type at it.

    Each prints what the command prints on Windows.
    """

    def __init__(self, network, host):
        self._network, self._host = network, host

    def __repr__(self):
        return f"<{self._host.name} at {self._host.ip}: ipconfig(), arp(), ping(ip), tracert(ip), test(ip, port), socket(ip, port)>"

    def ipconfig(self):
        """`ipconfig /all`"""
        host = self._host
        return Printed("C:\\>ipconfig /all\n\nWindows IP Configuration\n\n"
                       f"   Host Name . . . . . . . . . . . . : {host.name.replace('_', '-')}\n"
                       f"   Primary Dns Suffix  . . . . . . . : {DOMAIN[1:]}\n\nEthernet adapter Ethernet:\n\n"
                       f"   Physical Address. . . . . . . . . : {host.mac.replace(':', '-').upper()}\n"
                       "   DHCP Enabled. . . . . . . . . . . : No\n"
                       f"   IPv4 Address. . . . . . . . . . . : {host.ip}(Preferred)\n"
                       f"   Subnet Mask . . . . . . . . . . . : {host.mask}\n"
                       f"   Default Gateway . . . . . . . . . : {host.gateway}\n"
                       f"   DNS Servers . . . . . . . . . . . : {DNS}")

    def ping(self, ip):
        """`ping ip`"""
        found, name = self._resolved(ip)
        return self._network.ping(self._host, found, ip, name) if found else _unknown("ping", "Ping request", ip)

    def tracert(self, ip):
        """`tracert -d ip`"""
        found, name = self._resolved(ip)
        if not found:
            return _unknown("tracert -d", "Unable to resolve target system name", ip)
        return self._network.tracert(self._host, found, ip, name)

    def arp(self):
        """`arp -a`"""
        return self._network.arp(self._host)

    def test(self, ip, port):
        """`Test-NetConnection ip -Port port`"""
        found, _ = self._resolved(ip)
        if not found or not str(port).strip().isdigit():
            return Printed(f"PS C:\\> Test-NetConnection {ip} -Port {port}\n\nWARNING: this address or port is not known")
        return self._network.test(self._host, found, int(port))

    def socket(self, ip, port):
        """`[Net.Sockets.TcpClient]::new("ip", port)`"""
        found, _ = self._resolved(ip)
        if not found or not str(port).strip().isdigit():
            return Printed(f'PS C:\\> [Net.Sockets.TcpClient]::new("{ip}", {port})\n\nException: this address or port is not known')
        return self._network.socket(self._host, found, int(port))

    def _resolved(self, ip):
        """The address that was typed and "", or address and full name for a host name that the name server tells; else None and ""."""
        typed = str(ip).strip()
        try:
            return str(ipaddress.IPv4Address(typed)), ""
        except ValueError:
            name = typed.casefold().removesuffix(DOMAIN)
            # A host name has no underscore (RFC 952); the name server is asked by UDP, which this network takes for the same as TCP.
            asked = "_" not in name and self._network.connect(self._host, DNS, 53) == "connected"
            aet = name.replace("-", "_").upper()
            found = next((host for title, host, *_ in world.DEVICES if title == aet), None) if asked else None
            return found, name + DOMAIN if found else ""


def _unknown(command, says, name):
    """What a command prints about a name that no name server tells."""
    said = f"{says} could not find host {name}. Please check the name and try again." if command == "ping" else f"{says} {name}."
    return Printed(f"C:\\>{command} {name}\n\n{said}")


# --- what a person may write

def host_name(value):
    """A host in `wanted` from its name, its address, or both."""
    text = str(value).strip(" '\"").upper().replace("-", "_")
    hosts = _reachable()
    name, *rest = re.split(r"[\s,:=()]+", text.rstrip(" )"))
    if rest and hosts.get(name) in rest:
        return name
    by_ip = {ip: name for name, ip in hosts.items()}
    return by_ip.get(text, text)


def address(value):
    """An IPv4 address, without blanks around it."""
    text = str(value).strip(" '\".")
    if "/" in text:
        raise ValueError("an address stands alone, without the length of a prefix behind it")
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        zeros = re.search(r"(^|\.)0\d", text) and re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}", text)
        raise ValueError("write its numbers without zeros in front: some programs read those in another way" if zeros else
                         "an IPv4 address is four numbers from 0 to 255 with dots between") from None


def mask(value):
    """A subnet mask in the form 255.255.255.0, from that or from the length of the prefix."""
    text = str(value).strip(" '\"/")
    # Python's module would read a wildcard mask such as 0.0.0.63 as well.
    if text.isdigit() or text.startswith(("255.", "254.", "252.", "248.", "240.", "224.", "192.", "128.", "0.0.0.0")):
        with contextlib.suppress(ValueError):
            return str(ipaddress.ip_network(f"0.0.0.0/{text}").netmask)
    if re.fullmatch(r"255(\.\d{1,3}){3}", text):
        raise ValueError("that is no mask: in bits, a mask is ones and then zeros, never a one behind a zero")
    raise ValueError("a mask is written like 255.255.0.0, or as the length of the prefix, like /16")


def dotted_mask(value):
    """A subnet mask in the form 255.255.255.0, from that, its four numbers in a list or one hexadecimal number.

    Raises ValueError for the length of a prefix alone, which is given, and with a mask that it contradicts.
    """
    text = ".".join(map(str, value)) if isinstance(value, list) else str(value).strip(" '\".")
    if re.fullmatch(r"/?\d{1,2}", text):
        raise ValueError("that is the length of the prefix, which is given; asked is the mask, four numbers with dots")
    found = re.fullmatch(r"0x([0-9a-f]{8})|(\d{1,3}(?:[.,] ?\d{1,3}){3})\s*(?:\(?/(\d{1,2})\)?)?", text.casefold())
    number = value if type(value) is int else int(found[1], 16) if found and found[1] else None
    if number is not None and 0 <= number < 2**32:
        dotted, length = str(ipaddress.IPv4Address(number)), None
    elif found:
        dotted, length = re.sub("[,.] ?", ".", found[2]), found[3]
    else:
        raise ValueError("a mask is four numbers with dots between, such as 255.255.0.0")
    try:
        read = mask(dotted)
    except ValueError:
        raise ValueError("in bits, a mask is ones and then zeros, never a one behind a zero. That leaves few numbers for its end") from None
    if length and mask(length) != read:
        raise ValueError("the mask and the length of the prefix behind it are not the same")
    return read


def letter(value):
    """The one letter of a meaning, from "b", "B", "b)", or with the meaning behind it: "b: nothing came back"."""
    text = str(value).strip(" '\"").casefold()
    found = re.fullmatch(r"\(?([a-h])(?:[).:,]+\s*(.*)|\s*\(.*\))?", text, re.DOTALL)
    if not found:
        raise ValueError(f"give one of the letters {', '.join(MEANINGS)}")
    behind = re.findall(r"\w+", found[2] or "")
    alone = [word for word in behind if word in MEANINGS]
    if alone and (set(behind) <= {*MEANINGS, "or", "and"} or set(alone) != {"a"}):
        raise ValueError("two letters stand there; give the one that fits best")
    if any(behind == re.findall(r"\w+", meaning.casefold()) for other, meaning in MEANINGS.items() if other != found[1]):
        raise ValueError("the letter and the words behind it are those of two meanings")
    return found[1]


NEEDS = {  # what a meaning would need
    "a": "for that the line would come from the host itself, with bytes, time and TTL.",
    "b": "something did come back here, or nothing was sent: read the line, and from whom it is.",
    "c": "that is said by the sender itself, 10.20.40.11, when nobody answers on its own wire. Is there such a line?",
    "d": "that is said by a router of the other network. Is there such a line, and whose address does it begin with?",
    "e": "of a circle one hears when a packet's TTL is used up. Is there such a line?",
    "f": "for that there would be no *Pinging ...* and no statistics: nothing would have been sent.",
    "g": "no answer of ping proves that a host is switched off. What does this line say, and who says it?",
    "h": "no line here says that a firewall refused. One that drops says nothing, and looks like any other silence.",
}
MEANING = Text("", reading=letter, remark=lambda said, right: f"{said} is not what this shows: {NEEDS[said]}")


def _one_number(text):
    """Raises Unreadable where two numbers stand, as in "3, 2"."""
    if re.fullmatch(r"\d(\s*([,;/]|or|and)\s*\d)+", text.casefold()):
        raise Unreadable("two numbers stand there; give the one that fits")


class Hop(Number):
    """A hop of the tracert: its number, "hop 5", or its address."""

    takes = "the number of a hop"

    def read(self, given):
        """The number, as Number reads it."""
        word = given.strip(" .'\"") if type(given) is str else ""
        _one_number(word)
        both = re.fullmatch(r"(?:hop\s*)?(\d)[\s,:]*\(?(\d+(?:\.\d+){3})\)?", word, re.IGNORECASE)
        if both and both[2] in HOPS and HOPS.index(both[2]) + 1 == int(both[1]):
            word = both[2]
        return super().read(HOPS.index(word) + 1 if word in HOPS else given)

    def difference(self, answer, other):
        """None when the numbers agree."""
        if super().difference(answer, other) is None:
            return None
        return Difference("Compare the shortest time of that hop with that of the hop in front of it, and with those behind: is it there "
                          "that the time is added, and does it stay? A hop without times tells nothing of this.", "hop")


class Shared(Set):
    """Addresses of the ARP log; one that does not belong there is told what the log says of it."""

    def judge(self, exercise, given, editions):
        """As for every Set, but an extra address is explained."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label != "extra":
            return verdict
        rows = exercise.lesson.input_of("arp_watch", editions.own)
        right = exercise.computed(exercise.solution, editions.own)
        extra = next(ip for ip in self.read(*given) if ip not in right)
        said = {
            0: "it is not in the log.", 1: "it had the same hardware address all the time.",
            2: "it goes to and fro, but with hours between. Somebody has borrowed the address while its owner was unplugged."
            if extra == LENT else "its hardware address changed once, and never back. That is a new card, or an address given to somebody else.",
        }[rows["mac"][rows["ip"] == extra].nunique()]
        cards = set(rows["mac"][rows["ip"] == extra])
        if len(cards) == 1 and rows["ip"][rows["mac"].isin(cards)].nunique() > 1:
            said = "one device has it, together with another address. Asked is the reverse: one address, two devices."
        return Verdict(Outcome.NOT_YET, f"`{extra}` does not belong there: {said}", "extra")


class Rung(Number):
    """A rung of the ladder: its number, or a word of its name."""

    WORDS = {
        "cable": 1, "wire": 1, "physical": 1, "vlan": 1, "address": 2, "ip": 2, "way": 3, "route": 3, "routing": 3, "port": 4, "tcp": 4,
        "transport": 4, "dicom": 5, "association": 5,
    }
    takes = "the number of a rung"

    def read(self, given):
        """The number, as Number reads it."""
        word = given.strip(" .'\"").casefold() if type(given) is str else ""
        _one_number(word)
        both = re.fullmatch(r"(\d)[\s,:.()]+([a-z]+)", word.rstrip(")"))
        if both and both[2] in self.WORDS and self.WORDS[both[2]] != int(both[1]):
            raise Unreadable(f"the number {both[1]} and the name {both[2]} are those of two rungs")
        return super().read(self.WORDS.get(word, given))

    MEANS = {
        1: "rung 1 means that not even the own wire works. Does anybody on this card answer?",
        2: "rung 2 means that the station's own address is missing, doubled, or not of its wire. What on this card says so?",
        3: "rung 3 means that wire and address are all right, and packets do not get to the other host and back. Does anything come back "
        "from it here, of whatever kind? And is the rung below all right?",
        4: "rung 4 means that the other host is reached, there and back, and only its port is not. What on this card comes from the host, "
        "and what from its port?",
        5: "rung 5 means that the port is open, and two DICOM applications do not agree. What on this card is a DICOM answer?",
    }

    def difference(self, answer, other):
        """None when the rungs agree."""
        if super().difference(answer, other) is None:
            return None
        said = self.MEANS.get(answer[0], "the rungs have the numbers 1 to 5.")
        return Difference(f"That is not the lowest rung that fails: {said}", "rung")


class Stations(Fields):
    """A rung for each station; a plain list in their order will do."""

    def _written(self, given):
        if type(given) in (list, tuple) and len(given) == len(self.entries):
            return dict(zip(self.entries, given))
        return super()._written(given)


# --- inputs

@lesson.input
def ed1(hospital):
    """WS_ED1 as it is set up now, in the simulated network."""
    said = hospital.servers.truth["ws_ed1"]
    wrong = Host("WS_ED1", said["ip"], said["mask"], said["gateway"], "workstations", _mac(said["ip"]), frozenset({104}), time_to_live=128,
                 stealth=True)
    network, hosts = _house(hospital, wrong)
    return Desk(network, hosts["WS_ED1"])


@lesson.input
def ed1_mended(hospital):
    """WS_ED1 with the right mask and gateway."""
    network, hosts = _house(hospital)
    return Desk(network, hosts["WS_ED1"])


@lesson.input
def ch1(hospital):
    """WS_CH1, a neighbour that works."""
    return _neighbour(hospital)


def _neighbour(hospital):
    network, hosts = _house(hospital)
    return Desk(network, hosts["WS_CH1"])


def _reachable():
    """Name and address of each host that `wanted` may hold."""
    hosts = {aet: ip for aet, ip, *_ in world.DEVICES if aet not in ("CT_ER", "WS_ED1")}
    return {**hosts, BURNER[0]: BURNER[1], "DNS": DNS, "EC_WS1": "10.60.40.15", "EC_PACS": "10.60.10.10"}


@lesson.input
def wanted(hospital):
    """Hosts that WS_ED1 should reach: a dict from name to address."""
    draws = Draws(hospital.seed, "cpas-11 wanted")
    everyone = _reachable()
    servers, modalities = ("HV_MWL", "HV_VNA", "HV_ROUTER"), [aet for aet, ip in everyone.items() if ip.startswith("10.20.30.")]
    names = ["HV_PACS", BURNER[0], "WS_CH1", "WS_MG1", "DNS", ("EC_WS1", "EC_PACS")[draws.one(0, 1)]]
    names += [servers[place] for place in draws.sample(range(3), 2)]
    names += [modalities[place] for place in draws.sample(range(len(modalities)), 2)]
    order = draws.raw(len(names)).tolist()
    return {name: everyone[name] for _, name in sorted(zip(order, names))}


@lesson.input
def annex(hospital):
    """The network of the emergency department's new annex, such as 10.20.44.64/27."""
    draws = Draws(hospital.seed, "cpas-11 annex")
    prefix = draws.one(27, 29)
    size = 2 ** (32 - prefix)
    return f"10.20.{draws.one(44, 47)}.{size * draws.one(1, 128 // size - 2)}/{prefix}"


MEANINGS = {
    "a": "The host with this address has answered.",
    "b": "Nothing came back within the time: the host may be off, may drop pings, or its answer may not find the way back.",
    "c": "Nobody on my own wire answered when I asked for the hardware address of the packet's next stop.",
    "d": "The packet got as far as the router of the other network; there nobody answered for this address.",
    "e": "The packet goes round in a circle between routers.",
    "f": "The name could not be turned into an address; no packet was sent.",
    "g": "The host is switched off.",
    "h": "The host's firewall has refused the packet.",
}


@lesson.input
def pings(hospital):
    """Six answers of `ping` at WS_CH1 (10.20.40.11): a dict from "ping 1" on to what was printed."""
    return {name: Printed(text) for name, (_, text) in _pings(hospital).items()}


def _pings(hospital):
    """Name -> (kind, text) of the six, in an order of the seed's own: what the simulated network prints."""
    desk = _neighbour(hospital)
    return {f"ping {number}": (kind, str(desk.ping(target))) for number, (kind, target) in enumerate(_targets(hospital).items(), 1)}


def _targets(hospital):
    """The letter of a meaning -> what is pinged, in an order of the seed's own."""
    draws = Draws(hospital.seed, "cpas-11 pings")
    answering = ("10.20.10.10", "10.20.10.40", "10.20.30.42")[draws.one(0, 2)]
    quiet = ("10.20.10.20", "10.20.20.30", "10.20.50.10")[draws.one(0, 2)]
    near, far = f"10.20.40.{draws.one(41, 59)}", f"10.20.30.{draws.one(101, 180)}"
    lost = f"10.20.{draws.one(70, 90)}.{draws.one(11, 60)}"
    targets = {"a": answering, "b": quiet, "c": near, "d": far, "e": lost, "f": "hv-pasc"}
    order = draws.raw(len(targets)).tolist()
    return {letter: target for _, (letter, target) in sorted(zip(order, targets.items()))}


HOPS = ("10.20.40.1", "10.20.0.1", "10.20.0.254", "10.99.0.2", "10.99.0.9", "10.99.0.17", "10.60.0.1", "10.60.40.15")


@lesson.input
def hops(hospital):
    """The tracert from WS_CH1 to Eastcliff: a list of (hop, times in ms, address); no times where nothing came back."""
    draws = Draws(hospital.seed, "cpas-11 tracert")
    line = draws.one(4, 6)
    others = [hop for hop in range(3, 8) if hop not in (line, line - 1)]
    silent, busy = (others[place] for place in draws.sample(range(len(others)), 2))
    if draws.one(0, 1):
        silent, busy = busy, silent
    # The line costs as much as in lesson cpas-10, where its round trip was measured.
    added = round(1000 * networks.lesson.input_of("round_trip", hospital)) - len(HOPS) // 2
    found = []
    for hop, ip in enumerate(HOPS, 1):
        if hop == silent:
            found.append((hop, [], None))
            continue
        base = (0 if hop == 1 else hop // 2) + (added if hop >= line else 0) + (draws.one(110, 190) if hop == busy else 0)
        found.append((hop, [base + draws.one(0, 1 if base < 10 else 9 if hop == busy else 2) for _ in range(3)], ip))
    return found


@lesson.input
def tracert(hospital):
    """The same as Windows prints it."""
    return _neighbour(hospital).tracert(HOPS[-1])


@lesson.input
def arp_watch(hospital):
    """What the router of the modalities' network learned by ARP on one morning: a DataFrame with time, ip and mac."""
    import pandas as pd
    return pd.DataFrame(_arp_rows(hospital), columns=["time", "ip", "mac"])


LENT = "10.20.30.54"


def _arp_rows(hospital):
    """Some addresses with one device each, two shared by two devices, one whose card was changed, one that was given away again, one that
    was lent for some hours.

    Two devices with one address answer the same request, seconds apart.
    """
    draws = Draws(hospital.seed, "cpas-11 arp")
    ips = [ip for aet, ip, *_ in world.DEVICES if ip.startswith("10.20.30.") and aet not in ("CT_ER", "US_OB1") and ip != LENT]
    second, card, quiet, double = (ips[place] for place in _shuffled(draws, draws.sample(range(len(ips)), 4).tolist()))
    lease = f"10.20.30.{draws.one(201, 240)}"
    others = [f"02:48:56:{draws.one(160, 250):02x}:{draws.one(0, 255):02x}:{number:02x}" for number in (0x11, 0x22, 0x33, 0x44)]
    ob, printer = _mac("10.20.30.65"), "02:48:56:aa:00:65"
    learned = []

    def seen(first, last, ip, *macs):
        """Devices that answer for an address within seconds of each other, at some minute from first to last."""
        second_of_day = draws.one(first, last) * 60 + draws.one(0, 40)
        for mac in macs:
            learned.append((second_of_day, ip, mac))
            second_of_day += draws.one(1, 4)

    seen(0, 20, "10.20.30.65", ob)
    seen(40, 60, "10.20.30.65", printer, ob, printer)
    seen(120, 140, "10.20.30.65", ob, printer, ob)
    seen(0, 30, second, _mac(second))
    seen(90, 110, second, others[0], _mac(second), others[0], _mac(second))
    seen(0, 30, card, _mac(card))
    seen(100, 120, card, others[1])
    seen(150, 170, card, others[1])
    seen(180, 220, card, others[1])
    seen(0, 30, lease, others[2])
    seen(60, 90, lease, others[2])
    seen(190, 230, lease, others[3])
    for first, last in ((30, 60), (80, 100), (140, 170)):
        seen(first, last, quiet, _mac(quiet))
    # A service laptop has borrowed a scanner's address, while the scanner was unplugged.
    for first, last, mac in ((5, 25, _mac(LENT)), (130, 150, "02:48:56:5e:12:07"), (270, 290, _mac(LENT))):
        seen(first, last, LENT, mac)
    # One machine with two addresses of its own, as scanners with two computers behind one plug have.
    seen(20, 60, double, _mac(double))
    seen(61, 90, "10.20.30.48", _mac(double))
    seen(150, 200, "10.20.30.48", _mac(double))
    return [(f"{7 + time // 3600:02d}:{time // 60 % 60:02d}:{time % 60:02d}", ip, mac) for time, ip, mac in sorted(learned)]


def _shuffled(draws, values):
    order = draws.raw(len(values)).tolist()
    return [value for _, value in sorted(zip(order, values))]


@lesson.input
def bundles(hospital):
    """Twelve machines that cannot send: a dict from the station's name to what was typed at it, itself a dict."""
    return {
        one.name: {name: text.replace("\r\n", "\n").strip() for name, text in one.transcripts.items()}
        for one in hospital.servers.bundles
    }


@lesson.input
def cards(hospital):
    """The same as one printed page."""
    parts = []
    for name, texts in lesson.input_of("bundles", hospital).items():
        parts.append(f"======== {name}")
        parts += [_compact(text) for text in texts.values()]
    return Printed("\n".join(parts))


def _compact(text):
    """A transcript without blank lines, and a line that comes four times only once."""
    rows = []
    for row in text.splitlines():
        if row.strip() and (not rows or row != rows[-1]):
            rows.append(row)
    return "\n".join(rows)


DESTINATIONS = ("HV_ROUTER", "HV_MWL", "HV_VNA", "CTER01", "CT2", "WS_CH1", "WS_MG1", "WS_ED1")
OTHER_ENTRIES = (       # all of them right, however they look
    BURNER, ("WS_TEACH1", "10.20.40.14", 104), ("WS_EDM1", "10.20.60.31", 11112), ("WS-ENDO1", "10.20.60.13", 104),
    ("ws_ort1", "10.20.60.14", 104), ("WS_EEG1", "10.20.60.33", 1044), ("FILM_ED1", "10.20.40.73", 104), networks.EASTCLIFF,
    EC_PACS,
)


@lesson.input
def station(hospital):
    """How WS_ED1 is set up since this morning."""
    return {"aet": "WS_ED1", "host": "10.20.40.13", "port": 104}


@lesson.input
def ae_table(hospital):
    """The archive's table of the AEs that it knows: a DataFrame with aet, host and port, its index the number of the row."""
    import pandas as pd
    return pd.DataFrame(_entries(hospital)).set_index("row")


def _entries(hospital):
    draws = Draws(hospital.seed, "cpas-11 entries")
    known = {aet: {"aet": aet, "host": host, "port": port} for aet, host, port, *_ in world.DEVICES}
    rows = [known[aet] for aet in DESTINATIONS] + [dict(zip(COLUMNS, one)) for one in OTHER_ENTRIES]
    rows = [rows[place] for place in _shuffled(draws, list(range(len(rows))))]
    column = ("aet", "host", "port")[hospital.seed % 3]
    wrong = {"aet": ("WS_EDI", "ws_ed1", "WS-ED1")[draws.one(0, 2)], "host": ("10.20.40.31", "10.20.30.13")[draws.one(0, 1)],
             "port": (11112, 1044)[draws.one(0, 1)]}
    next(row for row in rows if row["aet"] == "WS_ED1")[column] = wrong[column]
    return [{"row": number, **row} for number, row in enumerate(rows, 1)]


@lesson.input
def move_log(hospital):
    """The archive's log of the attempt."""
    entry = next(row for row in _entries(hospital) if row["host"] in ("10.20.40.13", "10.20.40.31", "10.20.30.13"))
    lines = ["09:14:02  C-ECHO-RQ from WS_ED1 at 10.20.40.13: status 0000H, success",
             "09:14:20  C-FIND-RQ from WS_ED1 at 10.20.40.13: 1 study found",
             "09:14:31  C-MOVE-RQ from WS_ED1 at 10.20.40.13, move destination WS_ED1, 1 study of 312 images"]
    if entry["aet"] != "WS_ED1":
        lines += ["09:14:31  C-MOVE-RSP: status A801H, move destination unknown"]
    else:
        lines.append(f"09:14:31  connecting to {entry['host']}:{entry['port']} for C-STORE")
        lines.append("09:14:52  no answer, given up")
        lines.append(f"{lines[-1][:8]}  C-MOVE-RSP: status A702H, sub-operations cannot be performed; 0 done, 312 failed")
    return Printed("\n".join(lines))


@lesson.input
def address_list(hospital):
    """The address plan of the workstations' network, as the network group keeps it: a DataFrame."""
    import pandas as pd
    rows = [*USED.items(), ("10.20.40.4 to .9", "network group only"), ("10.20.40.10 to .19", "fixed addresses of workstations"),
            ("10.20.40.20 to .59", "given out by DHCP: visitors' laptops"), ("10.20.40.60 to .62", "network group only")]
    return pd.DataFrame(rows, columns=["address", "used by, or kept for"]).set_index("address")


@lesson.input
def netstat(hospital):
    """Who listens on the new machine already."""
    return Printed("C:\\>netstat -ano | findstr LISTENING\n  TCP    0.0.0.0:104            0.0.0.0:0              LISTENING       2980\n"
                   "  TCP    0.0.0.0:135            0.0.0.0:0              LISTENING       904\n"
                   "  TCP    0.0.0.0:3389           0.0.0.0:0              LISTENING       1212\n\n"
                   "C:\\>tasklist /fi \"PID eq 2980\"\nImage Name                     PID\n========================= ========\n"
                   "orthoplan_receiver.exe        2980")


# --- the exercises

@lesson.exercise
class MissedHosts:
    """Which of the hosts in `wanted` will WS_ED1, with the mask that it has **now**, look for on its own wire **although they are not
    there**?

    Answer with a list of their names, in any order: `missed = ["...", "..."]`.
    """

    answer = Set("missed", reading=host_name)
    praise = "To all of these WS_ED1 calls out on its own wire, where nobody has that address. Its gateway is never asked."

    def solution(wanted):
        really_there = ["WS_CH1", "WS_MG1"]          # the only ones between 10.20.40.0 and 10.20.40.63
        return [name for name, ip in wanted.items() if ip.startswith("10.20.") and name not in really_there]

    def all_in_the_mask(wanted):
        return [name for name, ip in wanted.items() if ip.startswith("10.20.")]

    def really_there(wanted):
        return [name for name, ip in wanted.items() if ipaddress.ip_address(ip) in WORKSTATIONS]

    def by_the_third_number(wanted):
        return [name for name, ip in wanted.items() if ip.startswith("10.20.40.") and ipaddress.ip_address(ip) not in WORKSTATIONS]

    def another_third_number(wanted):
        return [name for name, ip in wanted.items() if ip.startswith("10.20.") and not ip.startswith("10.20.40.")]

    def all_that_are_elsewhere(wanted):
        return [name for name, ip in wanted.items() if ipaddress.ip_address(ip) not in WORKSTATIONS]

    def those_by_the_gateway(wanted):
        return [name for name, ip in wanted.items() if not ip.startswith("10.20.")]

    wrong_ways = {
        all_in_the_mask: "Your list has all that WS_ED1 takes for neighbours. Some of them are: which of the addresses belong to its real "
        "network, in the plan?",
        really_there: "Those are the neighbours, and WS_ED1 finds them. Asked is whom it takes for a neighbour by mistake.",
        by_the_third_number: "You kept to addresses that begin with the same three numbers. That would be the mask 255.255.255.0. With "
        "255.255.0.0 only the first two numbers must agree.",
        another_third_number: "Nearly: one is missing. A real network need not end where the fourth number does: compare each address that "
        "begins like WS_ED1's own with the range of its real network.",
        all_that_are_elsewhere: "One of them has another second number. By this mask it lies outside, so WS_ED1 hands it to its gateway; "
        "that fails too, but for another reason.",
        those_by_the_gateway: "That is what WS_ED1 leaves to its gateway. Asked is what it looks for on its own wire.",
    }
    hints = [
        "With the mask 255.255.0.0 the first two numbers of an address say whether it is a neighbour.",
        "So WS_ED1 takes every address that begins with 10.20 for a neighbour. In truth only 10.20.40.0 to 10.20.40.63 are.",
        "Go through `wanted` host by host: begins with 10.20, and is not between 10.20.40.0 and 10.20.40.63. Mind the disc burner.",
    ]


BROADCAST = Text("", reading=address, remark=lambda said, right: f"{said} is not the last address of this network: count on from its "
                 "first one, by its size, and that one is counted too.")


@lesson.exercise
class AnnexPlan:
    """The network group has reserved the network in `annex` for the emergency department's new annex. Fill in what the installers need,
    in **one dictionary**, `plan`:

    - `mask`: its subnet mask, four numbers with dots, in quotes;
    - `broadcast`: its broadcast address, in quotes;
    - `devices`: how many devices can get an address there, when one address goes to the router.
    """

    answer = Fields("plan", {"mask": Text("", reading=dotted_mask), "broadcast": BROADCAST, "devices": Number("")})
    points = 2

    def solution(annex):
        import ipaddress
        network = ipaddress.ip_network(annex)
        return {
            "mask": str(network.netmask),
            "broadcast": str(network.broadcast_address),
            "devices": network.num_addresses - 3,
        }

    def mask_of_habit(annex):
        return {**AnnexPlan.solution(annex), "mask": "255.255.255.0"}

    def one_bit_less(annex):
        network = ipaddress.ip_network(annex)
        return {**AnnexPlan.solution(annex), "mask": str(network.supernet().netmask)}

    def one_bit_more(annex):
        network = ipaddress.ip_network(annex)
        return {**AnnexPlan.solution(annex), "mask": str(next(network.subnets()).netmask)}

    def broadcast_of_habit(annex):
        return {**AnnexPlan.solution(annex), "broadcast": annex.rsplit(".", 1)[0] + ".255"}

    def as_if_from_zero(annex):
        head, size = annex.rsplit(".", 1)[0], ipaddress.ip_network(annex).num_addresses
        return {**AnnexPlan.solution(annex), "broadcast": f"{head}.{size - 1}"}

    def the_network_itself(annex):
        return {**AnnexPlan.solution(annex), "broadcast": annex.split("/")[0]}

    def the_next_network(annex):
        return {**AnnexPlan.solution(annex), "broadcast": str(ipaddress.ip_network(annex).broadcast_address + 1)}

    def the_last_device(annex):
        return {**AnnexPlan.solution(annex), "broadcast": str(ipaddress.ip_network(annex).broadcast_address - 1)}

    def all_addresses(annex):
        return {**AnnexPlan.solution(annex), "devices": ipaddress.ip_network(annex).num_addresses}

    def router_forgotten(annex):
        return {**AnnexPlan.solution(annex), "devices": ipaddress.ip_network(annex).num_addresses - 2}

    def broadcast_forgotten(annex):
        return {**AnnexPlan.solution(annex), "devices": ipaddress.ip_network(annex).num_addresses - 1}

    wrong_ways = {
        mask_of_habit: "That is the mask of a /24. The number behind the slash says how many bits are ones; count them in the last number "
        "too.",
        one_bit_less: "This mask has a one too few: it spans a network twice as large.",
        one_bit_more: "This mask has a one too many: it spans a network half as large.",
        broadcast_of_habit: "An address with 255 at its end is the last of a /24. This network is smaller and ends earlier: its first "
        "address plus its size, minus one.",
        as_if_from_zero: "So it would be if the network began with a 0 at the end. It begins further on: count from its own first address.",
        the_network_itself: "That is the first address, which names the network. The broadcast address is the last.",
        the_next_network: "That address belongs to the next network already. Addresses are counted from the network's own on, and that "
        "one is counted too: a network of 4 addresses that begins with 8 ends with 11.",
        the_last_device: "That is the last address that a device can have. The broadcast address comes right behind it.",
        all_addresses: "That is how many addresses the network has. The first names the network and the last is for broadcasts; and the "
        "router needs one.",
        router_forgotten: "That is the number of addresses for devices, the router among them. It takes one of them.",
        broadcast_forgotten: "Only one address is taken off. Three are not for your devices: that of the network, the broadcast address "
        "and the router's.",
    }
    hints = [
        "A /26 has 26 ones and 6 zeros: 2 to the power of 6 is 64 addresses. Do the same with the number behind the slash.",
        "The last number of the mask is 256 minus the number of addresses. The broadcast address is the first plus the number of addresses "
        "minus one.",
        "From the number of addresses take off three: network, broadcast, router. Python's `ipaddress.ip_network(annex)` gives `.netmask`, "
        "`.broadcast_address` and `.num_addresses`.",
    ]
    praise = (
        "Where three numbers of a mask are 255, habit types a fourth one. These networks are smaller, as more and more in hospitals "
        "are."
    )


@lesson.exercise
class WhatPingSays:
    """What does each of the six answers in `pings` mean? Give the **letter** from the table above for each, in quotes."""

    answer = Fields("said", {f"ping {number}": MEANING for number in range(1, 7)}, in_order=True)
    points = 2

    def solution(pings):
        said = {}
        for name, answer in pings.items():
            text = str(answer)
            if "could not find" in text:
                said[name] = "f"
            elif "TTL expired" in text:
                said[name] = "e"
            elif "Reply from 10.20.40.11: Destination host unreachable" in text:
                said[name] = "c"
            elif "unreachable" in text:
                said[name] = "d"
            elif "timed out" in text:
                said[name] = "b"
            else:
                said[name] = "a"
        return said

    def silence_means_off(pings):
        return _changed(pings, {"b": "g"})

    def silence_means_firewall(pings):
        return _changed(pings, {"b": "h"})

    def a_reply_is_a_reply(pings):
        return _changed(pings, {"c": "a", "d": "a"})

    def nobody_at_home(pings):
        return _changed(pings, {"c": "g"})

    def own_address_overlooked(pings):
        return _changed(pings, {"c": "d"})

    def router_overlooked(pings):
        return _changed(pings, {"d": "c"})

    def loop_as_silence(pings):
        return _changed(pings, {"e": "b"})

    def name_as_silence(pings):
        return _changed(pings, {"f": "b"})

    wrong_ways = {
        silence_means_off: "A ping without an answer does not prove that the host is off. Many hosts drop pings on purpose, and an answer "
        "can get lost on its way back. Nothing more than silence is proven.",
        silence_means_firewall: "A refusal would be an answer, and there is none. A firewall that drops pings is one of several causes; "
        "ping alone does not tell them apart.",
        a_reply_is_a_reply: "The line begins with *Reply from*, and the statistics even count it as received. But read who sends the "
        "reply, and what it says.",
        nobody_at_home: "The host may be off; just as well the mask or the gateway of the sender may be wrong. Read who says "
        "*unreachable*: what alone can that one know?",
        own_address_overlooked: "Look at the address that says *unreachable*: it is the sender's own, 10.20.40.11. The packet has never "
        "left.",
        router_overlooked: "Look at the address that says *unreachable*: it is not the sender's. The packet has left the sender's wire.",
        loop_as_silence: "Something did come back: a router says that the packet has used up its hops. That does not happen on a straight "
        "way.",
        name_as_silence: "No packet was sent here. What was looked for before that?",
    }
    hints = [
        "In each answer look for the address behind *Reply from*: the target's, the sender's own (10.20.40.11), or a router's?",
        "*Destination host unreachable* from the sender's own address: ARP got no answer. From a router: ARP got no answer over there.",
        "*Request timed out* proves least of all. *TTL expired* comes from a router that has got the packet once too often.",
    ]
    praise = "A ping proves only what came back, and who sent it. Silence proves nothing."


def _changed(pings, changes):
    """The right letters, some of them changed."""
    return {name: changes.get(kind, kind) for name, kind in WhatPingSays.solution(pings).items()}


@lesson.exercise
class WhereTheTimeGoes:
    """Where do the milliseconds to Eastcliff come from? Take the **shortest** of the three times of each hop: the others only show that
    somebody was busy.

    Give the letter as `cause` and, as `hop`, the **number of the hop** that shows it: for A the one that does not answer, for B the first
    one behind the line, for C the overloaded router, for D the workstation.
    """

    answer = Choice(
        "cause, hop",
        options={
            "A": "The router that does not answer loses packets.",
            "B": "The line in front of one hop is long or slow: from there on every packet takes that much more.",
            "C": "The router with the longest times is overloaded and holds up the images.",
            "D": "The far workstation itself is slow to answer.",
        },
        evidence=Hop("hop", named=("hop",)),
    )
    points = 2

    def solution(hops):
        found, most = 0, 0
        for number in range(2, len(hops) + 1):
            before = [min(times) for hop, times, ip in hops if times and hop >= number - 1]
            here_and_later = [min(times) for hop, times, ip in hops if times and hop >= number]
            added = min(here_and_later) - min(before)         # what no hop from here on does without
            if added > most:
                found, most = number, added
        return "B", found

    def the_silent_one(hops):
        return "A", next(hop for hop, times, _ in hops if not times)

    def the_longest(hops):
        return "C", _longest(hops)

    def the_last(hops):
        return "D", hops[-1][0]

    def line_at_the_longest(hops):
        return "B", _longest(hops)

    def one_before(hops):
        return "B", WhereTheTimeGoes.solution(hops)[1] - 1

    def the_end_of_the_line(hops):
        return "B", hops[-1][0]

    wrong_ways = {
        the_silent_one: "Behind the router that is silent others answer, so the packets pass. It only does not answer tracert itself: many "
        "are told not to, or to do it rarely.",
        the_longest: "The router with the longest times answers late itself, but look at the hops behind it: they answer sooner, and each "
        "of their packets came through it. Routers pass packets on first and write answers to tracert when they find time.",
        the_last: "The last hop takes hardly longer than the one or two before it. The time was lost earlier.",
        line_at_the_longest: "The letter is right. But behind that hop the times go down again: what a line costs, every hop behind it "
        "must pay.",
        one_before: "The letter is right. That hop is still quick: it is the near end of the line. Asked is the first hop behind it.",
        the_end_of_the_line: "The letter is right. But an earlier hop shows the same time already.",
    }
    hints = [
        "Each time is that of the whole way to that hop and back. What one hop adds shows in all later hops too.",
        "Write down the shortest time of each hop. A single long one with short ones behind it costs nothing.",
        "Look for the first hop from which on *none* is quick any more.",
    ]
    praise = (
        "One line costs that time, for every packet: distance, or a slow link. How much it hurts a transfer is reckoned in lesson "
        "cpas-10."
    )


def _longest(hops):
    """The hop whose shortest time is the longest."""
    return max((hop for hop in hops if hop[1]), key=lambda hop: min(hop[1]))[0]


@lesson.exercise
class SharedAddresses:
    """Which **addresses** in `arp_watch` are used by **two devices at the same time**?

    Answer with a list of addresses, each in quotes, in any order. In this network no address belongs to a
    pair of servers that stand in for each other.
    """

    answer = Shared("shared", reading=address)
    points = 2

    def solution(arp_watch):
        last, shared = {}, []
        for time, ip, mac in arp_watch.sort_values("time").itertuples(index=False):
            hours, minutes, seconds = time.split(":")
            now = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
            # another device has answered for the same address, less than ten seconds ago
            if ip in last and mac != last[ip][1] and now - last[ip][0] < 10 and ip not in shared:
                shared.append(ip)
            last[ip] = now, mac
        return sorted(shared)

    def ever_two(arp_watch):
        return sorted(ip for ip, rows in arp_watch.groupby("ip") if rows["mac"].nunique() > 1)

    def to_and_fro_in_hours(arp_watch):
        return [*SharedAddresses.solution(arp_watch), LENT]

    def changed_once(arp_watch):
        both = SharedAddresses.to_and_fro_in_hours(arp_watch)
        return [ip for ip in SharedAddresses.ever_two(arp_watch) if ip not in both]

    def two_addresses_of_one(arp_watch):
        found = arp_watch.groupby("mac")["ip"].transform("nunique") > 1
        return sorted(set(arp_watch["ip"][found]))

    def quiet_ones(arp_watch):
        return sorted(ip for ip, rows in arp_watch.groupby("ip") if rows["mac"].nunique() == 1)

    def the_known_one(arp_watch):
        return ["10.20.30.65"]

    def all_of_them(arp_watch):
        return sorted(set(arp_watch["ip"]))

    wrong_ways = {
        ever_two: "Each of these had two hardware addresses on that morning. But one after the other is no conflict: a card was exchanged, "
        "or DHCP gave the address to somebody else. Two *at the same time* show by going to and fro.",
        to_and_fro_in_hours: "One of them goes to and fro, but with hours between: look at the clock. There somebody has borrowed the "
        "address while its owner was unplugged. Two *at the same time* answer within seconds of each other.",
        changed_once: "Those have changed their hardware address once, for good. That is a new network card, or an address given out "
        "again. Look for those that change back.",
        two_addresses_of_one: "That is one device with two addresses, which is allowed. Asked is the reverse: one address, two devices.",
        quiet_ones: "Those have had the same hardware address all the time: one device each.",
        the_known_one: "That is one of them, the one from the ticket. Look for others that go to and fro in the same way.",
        all_of_them: "Those are all addresses of the log. Look at the column `mac`: does it change, and does it change back?",
    }
    hints = [
        "Sort by address and read down the hardware addresses: `arp_watch.sort_values([\"ip\", \"time\"])`.",
        "A new card: old, new, new. An address given out again: first one, later another. Borrowed: one, the other, the first again, "
        "with hours between. Two devices at once: one, the other, the first again, within seconds.",
        "Look for addresses whose `mac` returns to an earlier value within seconds. There is more than the one of the ultrasound.",
    ]
    praise = (
        "The switch knows at which of its ports it has learned a hardware address: that leads to the plug. Of a card as it was bought, "
        "the first half names the maker; addresses that begin with 02, such as these, are given locally and name nobody."
    )


@lesson.exercise
class WhichRung:
    """At which **rung** (1 to 5, table above) does each of the twelve stations on the cards fail? For each, give the number of the lowest
    rung that is **not** all right.
    """

    answer = Stations("failing", {f"station {number}": Rung("", named=("rung", "level", "layer")) for number in range(1, 13)})
    points = 3

    def solution(bundles):
        failing = {}
        for station, texts in bundles.items():
            card = str(texts)
            if "Media disconnected" in card or "10.20.30.52: Destination" in card:      # not even a neighbour answers
                failing[station] = 1
            elif "169.254." in card or "aa-00-65" in card:          # no address of the network; a second card for one address
                failing[station] = 2
            elif "10.20.40.81: Destination" in card or "TTL expired" in card:           # the gateway is no neighbour; a circle
                failing[station] = 3
            elif "TcpTestSucceeded : False" in card:                # the host answers, its port does not
                failing[station] = 4
            else:
                failing[station] = 5
        return failing

    def no_ping_no_host(bundles):
        return _rungs(bundles, lambda text, rung: 3 if rung == 5 and "Request timed out" in text else rung)

    def refused_is_the_way(bundles):
        return _rungs(bundles, lambda text, rung: 3 if "actively refused" in text else rung)

    def a_drop_is_the_way(bundles):
        return _rungs(bundles, lambda text, rung: 3 if rung == 4 and "actively refused" not in text else rung)

    def automatic_address_is_the_cable(bundles):
        return _rungs(bundles, lambda text, rung: 1 if "169.254." in text else rung)

    def two_cards_are_the_cable(bundles):
        return _rungs(bundles, lambda text, rung: 1 if rung == 2 and "169.254." not in text else rung)

    def lonely_is_the_way(bundles):
        return _rungs(bundles, lambda text, rung: 3 if ALONE in text else rung)

    def lonely_is_the_address(bundles):
        return _rungs(bundles, lambda text, rung: 2 if ALONE in text else rung)

    def no_cable_no_address(bundles):
        return _rungs(bundles, lambda text, rung: 2 if "Media disconnected" in text else rung)

    def no_address_no_way(bundles):
        return _rungs(bundles, lambda text, rung: 3 if "169.254." in text else rung)

    def two_cards_are_the_way(bundles):
        return _rungs(bundles, lambda text, rung: 3 if "aa-00-65" in text else rung)

    def circle_is_the_port(bundles):
        return _rungs(bundles, lambda text, rung: 4 if "TTL expired" in text else rung)

    def circle_is_lower(bundles):
        return _rungs(bundles, lambda text, rung: 2 if "TTL expired" in text else rung)

    def no_context_is_the_port(bundles):
        return _rungs(bundles, lambda text, rung: 4 if "No Acceptable" in text else rung)

    def echo_is_enough(bundles):
        return _rungs(bundles, lambda text, rung: 4 if "MoveDestinationUnknown" in text else rung)

    def refused_caller_is_the_port(bundles):
        return _rungs(bundles, lambda text, rung: 4 if "Association Rejected" in text else rung)

    def mask_as_address(bundles):
        return _rungs(bundles, lambda text, rung: 2 if "10.20.40.81" in text else rung)

    wrong_ways = {
        no_ping_no_host: "No answer to ping, and you stopped there. Read on: the port opens and the application answers, so the way is all "
        "right. Only pings are dropped.",
        refused_is_the_way: "A connection that is *refused* is an answer. So a packet came there and back; what is said no to is that "
        "one port.",
        a_drop_is_the_way: "The host answers the ping, so the way there and back is all right. What does not come back is the answer of "
        "this one port.",
        automatic_address_is_the_cable: "169.254.x.x is what Windows gives itself when it has no other address: mostly because it asked by "
        "DHCP and nobody answered. There is a link, or it would say *disconnected*; what this card shows to fail is the address. (That "
        "nobody answered may come from the VLAN: look there next, if the DHCP server is well.)",
        two_cards_are_the_cable: "The same address has two hardware addresses, one after the other. What is doubled is not the cable.",
        lonely_is_the_way: "Neither the gateway nor a neighbour answers, and the ARP table has learned nobody: on its own wire this "
        "station is alone. That comes before any way through the network.",
        lonely_is_the_address: "Address, mask and gateway fit the network plan. But neither the gateway nor a neighbour answers: the "
        "station is alone on its wire, as behind a switch port of another VLAN.",
        no_cable_no_address: "*Media disconnected*: there is no link at all. An address would not help.",
        no_address_no_way: "169.254.x.x is what Windows gives itself when it has no other address. Without an address of this network "
        "there is no point in asking for a way.",
        two_cards_are_the_way: "The gateway is in the table both times, but look at the other row: one IP address, and two hardware "
        "addresses in turn.",
        circle_is_the_port: "The port was never reached: a router says that the packets have used up their hops. How did they do that?",
        circle_is_lower: "The gateway answers, so the own wire and the own address are all right. Then a router far from here says "
        "that the packets have used up their hops.",
        no_context_is_the_port: "*No Acceptable Presentation Contexts* is said in a DICOM answer, to an association that was accepted. To "
        "get it, the port must have been open.",
        echo_is_enough: "The echo succeeds, so the port is open and the title is right. What fails is a question between the two "
        "applications: whom to send to.",
        refused_caller_is_the_port: "A rejection is a DICOM message. To get it, the port must have been open.",
        mask_as_address: "A neighbour on this wire, the disc burner, answers: so the address is one of this wire. Compare it, by its mask, "
        "with the gateway: is that a neighbour too?",
    }
    hints = [
        "Go from the bottom up: is there a cable, is there a usable address, is there a way there and back, is the port open, do the "
        "applications agree?",
        "A reply of any kind proves all rungs below it: *refused* proves the way, *rejected* proves the port.",
        "For the lowest two look at `ipconfig` and `arp`: disconnected, or nobody at all who answers; 169.254, or two hardware addresses "
        "for one IP address.",
        "*Destination host unreachable* with a gateway outside of the own network is the way, and so is *TTL expired*. Ping answered and "
        "port timed out is the port.",
    ]
    praise = "Whatever answers proves everything below it. That saves most of the work: begin in the middle, with the port."


ALONE = "10.20.30.52: Destination host unreachable"        # on the card of the station that nobody answers


def _rungs(bundles, changed):
    """The right rungs, changed as a misconception does it."""
    return {name: changed(" ".join(bundles[name].values()), rung) for name, rung in WhichRung.solution(bundles).items()}


RIGHT = {  # what is to be concluded of a service, by its behaviour
    "closed": "refused", "dropped": "silent", "silent": "silent", "foreign": "not dicom", "hangs up": "not dicom", "aborts": "aborted",
    "busy": "busy", "congested": "busy", "starting": "busy", "renamed": "called", "strict": "calling",
    "other application context": "rejected", "other protocol version": "rejected", "no context": "no context", "no syntax": "no context",
    "aborts midway": "no echo", "healthy": "ok",
}
REJECTING = [state for state in RIGHT if RIGHT[state] in ("busy", "called", "calling", "rejected")]
ACCEPTING = ("no context", "no syntax", "aborts midway", "healthy")


def _rejects(result, source, reason):
    return f"That server answers with an A-ASSOCIATE-RJ: result {result}, source {source}, reason {reason}, all of them numbers."


MET = {  # how each behaves
    "closed": "Nobody listens at that port.",
    "dropped": "From that server not even a connection comes: `tcp` is `\"timed out\"`, and everything behind it is `None`.",
    "silent": "That server takes the connection and then says nothing.",
    "foreign": "That server sends back something that is no PDU.",
    "hangs up": "That server takes the connection, and closes it without a word.",
    "aborts": "That server answers with an A-ABORT.",
    "busy": _rejects(2, 3, 2), "congested": _rejects(2, 3, 1), "starting": _rejects(2, 1, 7), "renamed": _rejects(1, 1, 7),
    "strict": _rejects(1, 1, 3), "other application context": _rejects(1, 1, 2), "other protocol version": _rejects(1, 2, 2),
    "no context": "That server answers with an A-ASSOCIATE-AC, in which the context has the result 3, a number.",
    "no syntax": "That server answers with an A-ASSOCIATE-AC, in which the context has the result 4, a number.",
    "aborts midway": "That server answers with an A-ASSOCIATE-AC, in which the context has the result 0, and breaks off at the C-ECHO: "
    "its `status` is `None`.",
    "healthy": "That server answers with an A-ASSOCIATE-AC, in which the context has the result 0, and C-ECHO with the status 0: numbers.",
}
CONCLUSION = Text("", reading=word_of_a_table, remark=lambda said, right: "Which line of your function takes it?")


def _except(word, *states):
    """What a probe returns that is right but for these services."""
    return {**RIGHT, **dict.fromkeys(states, word)}


@lesson.exercise
class Probe:
    """Write the function `probe(host, port, called)`: it calls the service at that host and port by the AE title `called`, as WS_ED1, and
    returns what is wrong, in **one of the words of the table above**.

    It will be tried on seventeen services that really run on this computer while it is checked, all but one with a fault: each row of the
    table is there, some more than once. Those that take a call take it from WS_ED1 only. Call them with `call`: it also plays the
    firewall in front of the one that cannot be reached.
    """

    answer = Client("probe", result=CONCLUSION, about=MET.get, whole=True)
    points = 4

    def solution(host, port, called):
        from coursekit.systems.caller import call
        answer = call(host, port, called, "WS_ED1")
        if answer.tcp == "refused":
            return "refused"
        if answer.tcp == "timed out" or answer.reply == "nothing":
            return "silent"
        if answer.reply == "no DICOM" or answer.reply == "hung up":
            return "not dicom"
        if answer.reply == "A-ABORT":
            return "aborted"
        if answer.reply == "A-ASSOCIATE-RJ":
            if answer.result == 2:
                return "busy"
            if answer.reason == 7:
                return "called"
            if answer.reason == 3:
                return "calling"
            return "rejected"
        if answer.context != 0:
            return "no context"
        if answer.status != 0:
            return "no echo"
        return "ok"

    @contextlib.contextmanager
    def stage(draw):
        behaviours = list(RIGHT)
        draw.shuffle(behaviours)
        titles = {one: f"{draw.choice(('HV', 'EC', 'NM'))}_{draw.choice(('PACS', 'VNA', 'MWL'))}{draw.randrange(1, 90)}"
                  for one in behaviours}
        titles["healthy"] = draw.choice(("Ec_Pacs", "hv_Vna", "NM_viewer"))         # upper and lower case count
        with services.running([(one, titles[one]) for one in behaviours], callers=["WS_ED1"]) as running:
            yield [((one.host, one.port, one.title), one.behaviour) for one in running]

    def right(state):
        return RIGHT[state]

    def port_fixed(state):
        return "silent" if state == "dropped" else "refused"

    def hung_up_is_ok(state):
        return _except("ok", "hangs up")[state]

    def hung_up_falls_to_the_context(state):
        return _except("no context", "hangs up")[state]

    def hung_up_is_silence(state):
        return _except("silent", "hangs up")[state]

    def hung_up_is_abort(state):
        return _except("aborted", "hangs up")[state]

    def numbers_as_text_ok(state):
        return _except("ok", *REJECTING)[state]

    def numbers_as_text_foreign(state):
        return _except("not dicom", *REJECTING)[state]

    def numbers_as_text_no_context(state):
        return _except("no context", *REJECTING)[state]

    def numbers_as_text_rejected(state):
        return _except("rejected", *REJECTING)[state]

    def result_as_text(state):
        return {**_except("rejected", "busy", "congested"), "starting": "called"}[state]

    def reason_as_text(state):
        return _except("rejected", "strict")[state]

    def context_as_text(state):
        return _except("no context", "aborts midway", "healthy")[state]

    def status_as_text(state):
        return _except("no echo", "healthy")[state]

    def or_always_true(state):
        return "not dicom"

    def or_always_true_later(state):
        return RIGHT[state] if RIGHT[state] in ("refused", "silent") else "not dicom"

    def or_always_silent(state):
        return RIGHT[state] if state == "closed" else "silent"

    def connected_is_ok(state):
        return RIGHT[state] if state in ("closed", "dropped") else "ok"

    def accepted_is_ok(state):
        return _except("ok", *ACCEPTING)[state]

    def context_is_ok(state):
        return _except("ok", "aborts midway")[state]

    def context_is_three(state):
        return _except("no echo", "no syntax")[state]

    def reasons_swapped(state):
        return {"renamed": "calling", "strict": "called"}.get(state, RIGHT[state])

    def titles_swapped(state):
        return _except("called", "strict", *ACCEPTING)[state]

    def title_changed(state):
        return _except("called", "healthy")[state]

    def another_caller(state):
        return _except("calling", *ACCEPTING)[state]

    def busy_by_its_reason(state):
        rejected = _except("busy", "other application context", "other protocol version")
        return {**rejected, "congested": "rejected", "starting": "called"}[state]

    def busy_by_its_source(state):
        return _except("called", "starting")[state]

    def the_rest_is_busy(state):
        return _except("busy", "other application context", "other protocol version")[state]

    def the_rest_is_foreign(state):
        return _except("not dicom", "other application context", "other protocol version")[state]

    def every_rejection_is_called(state):
        return _except("called", *REJECTING)[state]

    def silence_is_refusal(state):
        return _except("refused", "silent")[state]

    def timed_out_is_refused(state):
        return _except("refused", "dropped")[state]

    def timed_out_is_foreign(state):
        return _except("not dicom", "dropped")[state]

    def foreign_is_abort(state):
        return _except("aborted", "foreign")[state]

    def abort_is_foreign(state):
        return _except("not dicom", "aborts")[state]

    def silence_is_foreign(state):
        return _except("not dicom", "silent")[state]

    wrong_ways = {
        port_fixed: "Your probe finds every service refused whose host answers. Does it call at `port`, which comes with the call? Each "
        "service has a port of its own; nobody listens at one that was typed in.",
        hung_up_is_ok: "One service takes the connection and closes it again without a word, and your probe is content with it. See "
        "the row of the table that has two replies.",
        hung_up_falls_to_the_context: "One service closes the connection without a word. There is no context then: `answer.context` is "
        "`None`, and that is not 0 either. Ask for the reply first. See the row of the table that has two.",
        hung_up_is_silence: "One service closes the connection. That is not silence: it has hung up, at once. See the row of the "
        "table that has two replies.",
        hung_up_is_abort: "One service closes the connection without a word. An A-ABORT would be a word, and DICOM. See the row of the "
        "table that has two replies.",
        numbers_as_text_ok: "All rejections pass through your probe as if all were well. Result, source and reason are numbers: "
        "`answer.result == 2`, without quotes.",
        numbers_as_text_foreign: "Your probe takes all rejections for something that is not DICOM. Result, source and reason are "
        "numbers: `answer.result == 2`, without quotes.",
        numbers_as_text_no_context: "All rejections come as far as the question about the context. Result, source and reason are "
        "numbers: `answer.result == 2`, without quotes.",
        numbers_as_text_rejected: "Your probe finds no kind of rejection but the last. Result, source and reason are numbers: "
        "`answer.result == 2`, without quotes. And the question for the last kind comes behind those for the others.",
        result_as_text: "Your probe finds no rejection transient. `answer.result` is a number: compare it with 2, without quotes.",
        reason_as_text: "The service that rejects with reason 3 comes out as one that rejects for another reason. Is its row there, and "
        "is its reason a number, without quotes?",
        context_as_text: "Your probe finds no service whose context is accepted. The result of an accepted one is 0, a number: compare it "
        "without quotes.",
        status_as_text: "Your probe refuses the service with which all is well. `answer.status` is a number, though it is printed as "
        "0000H: compare it with 0, without quotes.",
        or_always_true: "Your probe says `\"not dicom\"` of services of quite another kind. Is there an `or` with a comparison on its left "
        "side only? Text that stands alone counts as true, always. Write both comparisons in full, or use `in`.",
        or_always_true_later: "From the row `\"not dicom\"` on your probe takes every service for that. Is there an `or` with a comparison "
        "on its left side only? Text that stands alone counts as true, always. Write both comparisons in full, or use `in`.",
        or_always_silent: "Your probe says `\"silent\"` of services of quite another kind. Is there an `or` with a comparison on its left "
        "side only? Text that stands alone counts as true, always. Write both comparisons in full.",
        connected_is_ok: "Your probe is content once TCP connects. An open port proves that *something* listens there; whether it is "
        "DICOM, knows the title and speaks to you, only its answers tell.",
        accepted_is_ok: "Your probe is content once the association is accepted. Some services accept it and then refuse the one "
        "presentation context that was asked for, so no C-ECHO can be sent; or break off at the C-ECHO. Look at `answer.context`, then at "
        "`answer.status`.",
        context_is_ok: "One service accepts association and context, and breaks off when the C-ECHO comes. Your probe says that all is "
        "well. Look at `answer.status`.",
        context_is_three: "The result 3 is not the only one by which a context is refused. See the row of the table: which result is the "
        "accepted one?",
        reasons_swapped: "The two reasons for a rejection are swapped: 3 is about the one that *calls*, 7 about the one that *is called* "
        "(PS3.8 Table 9-21).",
        titles_swapped: "Services refuse your probe that ought to take its call: they are not called by their own title. It comes as "
        "`called`, another for each service, and is the third value of `call(host, port, called, calling)`. Is a title typed in its "
        "place, or are the two swapped?",
        another_caller: "Services that take a call from WS_ED1 do not know your probe's own title. It is to call as WS_ED1, letter for "
        "letter: that is the fourth value of `call(host, port, called, calling)`.",
        title_changed: "One service does not go by the title that your probe calls, and it is the one with which all is well. Its title "
        "comes as `called`, letter for letter; upper and lower case differ.",
        busy_by_its_reason: "Your probe tells *busy* by the reason 2. That number means something else with each source. What says that a "
        "rejection is only for the moment is the result.",
        busy_by_its_source: "One rejection is *transient*, result 2, and its reason is 7. Whatever the reason, it is to be tried again "
        "later: ask for the result before you look at the reason, and not for the source.",
        the_rest_is_busy: "Two services reject permanently, and for another reason than a title. Your probe finds them busy, so somebody "
        "would try again for ever. See the row `\"rejected\"` of the table.",
        the_rest_is_foreign: "Two services reject for another reason than a title. A rejection is good DICOM. See the row `\"rejected\"` "
        "of the table.",
        every_rejection_is_called: "Your probe takes every rejection for a wrong called title. Result and reason tell four kinds apart.",
        silence_is_refusal: "A refusal is an answer, and says that nobody listens. One service takes the connection and then says "
        "nothing: it is running, and hangs.",
        foreign_is_abort: "One service answers in a language that is not DICOM. That is no A-ABORT, which is a DICOM message: somebody "
        "typed the port of a web page.",
        abort_is_foreign: "One service answers with A-ABORT. That is good DICOM: the application is there, understands, and breaks off. "
        "Ask for `answer.reply`.",
        timed_out_is_refused: "From one service not even a connection comes: `tcp` is `\"timed out\"`. A refusal would be an answer, "
        "and none came. Ask for `\"refused\"` alone; and call at `host`, not at an address that was typed in.",
        timed_out_is_foreign: "From one service not even a connection comes: `tcp` is `\"timed out\"`, and `reply` is `None`. That says "
        "nothing about DICOM. See the second row of the table.",
        silence_is_foreign: "One service takes the connection and says nothing at all. Whether it speaks DICOM is not known; that it hangs "
        "is.",
    }
    hints = [
        "`answer = call(host, port, called, \"WS_ED1\")`, then an `if` for each row of the table, from the top down. The last line "
        "is `return \"ok\"`.",
        "Begin with `if answer.tcp == \"refused\":` and `return \"refused\"` on the next line, further in. Then the words of "
        "`answer.reply`, one after the other.",
        "For `\"A-ASSOCIATE-RJ\"` four cases: `answer.result == 2`, then `answer.reason == 7`, then `answer.reason == 3`, then what "
        "is left.",
        "What is left then has `answer.reply == \"A-ASSOCIATE-AC\"`: with `answer.context != 0` there is no echo to be had, with "
        "`answer.status != 0` none came, else all is well.",
    ]
    praise = "Run it each morning over all entries of the AE table, and you will know before the phone rings."


def _row_of(ae_table, aet):
    return int(ae_table.index[ae_table["aet"] == aet][0])


COLUMNS = ("aet", "host", "port")


def column_name(value):
    """A column of the AE table."""
    text = str(value).strip(" '\"").casefold().replace("ae title", "aet").replace("title", "aet").replace("ip address", "host")
    text = {"ip": "host", "address": "host", "ae": "aet"}.get(text, text)
    if text not in COLUMNS:
        raise ValueError(f"the columns are {', '.join(COLUMNS)}")
    return text


def cell(value):
    """A value of the AE table, as text; upper and lower case count."""
    return str(value).strip(" '\"")


class Row(Number):
    """The number of a row of the AE table."""

    takes = "the number of a row"

    def difference(self, answer, other):
        """None when the numbers agree."""
        if super().difference(answer, other) is None:
            return None
        return Difference("That row is not the one that is meant for this station. In the right one all cells but one agree "
                          "with `station`; in each other row at least two differ.", "row")


class Cell(Text):
    """A value of the AE table, letter for letter."""

    def difference(self, answer, other):
        """None when the texts agree."""
        found = super().difference(answer, other)
        if found and answer != other and re.sub(r"[ _.\-]", "", answer) == re.sub(r"[ _.\-]", "", other):
            return Difference("Letters and digits are right, but not what stands between them: blank, hyphen, underscore and dot are "
                              "different characters.", "separator")
        if found and answer != other and len(answer) == len(other) and sum(a != b for a, b in zip(answer, other)) == 1:
            return Difference("One character differs: compare letter for letter with what `station` says. Some look alike.", "character")
        return found


@lesson.exercise
class OneEdit:
    """C-ECHO from WS_ED1 to the archive succeeds, C-MOVE brings no image. **Which single cell** of `ae_table` must be changed, and to what?

    Give the number at the left of the table as `row`, the name of the `column`, and the new `value`; both
    in quotes.
    """

    answer = Fields("edit", {"row": Row("", named=("row", "line")), "column": Text("", reading=column_name),
                             "value": Cell("", case=True, reading=cell)})
    points = 2

    def solution(ae_table, station):
        edit = {}
        for row in ae_table.index:
            other = [column for column in ae_table.columns if ae_table.at[row, column] != station[column]]
            if len(other) == 1:                               # all but one cell as the station has it
                edit = {"row": int(row), "column": other[0], "value": str(station[other[0]])}
        return edit

    def at_the_archive(ae_table, station):
        return {**OneEdit.solution(ae_table, station), "row": _row_of(ae_table, "HV_ROUTER")}

    def at_the_neighbour(ae_table, station):
        return {**OneEdit.solution(ae_table, station), "row": _row_of(ae_table, "WS_CH1")}

    def the_next_column(ae_table, station):
        right = OneEdit.solution(ae_table, station)
        return {**right, "column": COLUMNS[(COLUMNS.index(right["column"]) + 1) % 3]}

    def the_column_before(ae_table, station):
        right = OneEdit.solution(ae_table, station)
        return {**right, "column": COLUMNS[(COLUMNS.index(right["column"]) + 2) % 3]}

    def of_the_archive(ae_table, station):
        right = OneEdit.solution(ae_table, station)
        return {**right, "value": {"aet": "HV_PACS", "host": "10.20.10.10", "port": "11113"}[right["column"]]}

    def as_it_stands(ae_table, station):
        right = OneEdit.solution(ae_table, station)
        return {**right, "value": str(ae_table.loc[right["row"], right["column"]])}

    wrong_ways = {
        at_the_archive: "That row is about another system, one that works. Which row is meant for the station that gets no images?",
        at_the_neighbour: "That row is about a neighbour, and the neighbour gets its images. Which row is meant for the station that gets "
        "none?",
        the_next_column: "The row is right. But in that column the table and the station agree. The log says how far the archive came: did "
        "it find the title? And which address and port did it call?",
        the_column_before: "The row is right. But that column agrees with how the station is set. Compare the others, and read the log: "
        "how far did the archive come?",
        of_the_archive: "That is not what the station itself has. The row tells the archive how to reach the station: what goes by which "
        "title, where, at which port *it* listens.",
        as_it_stands: "That is what stands there already. What does the station say of itself?",
    }
    hints = [
        "In C-MOVE the archive opens a new association, to the title that was named as move destination. Host and port it takes from its "
        "own table.",
        "Find the row that is meant for this station: two of its three cells agree with `station`.",
        "The third cell is the one to change; letter for letter, upper and lower case, to what `station` says.",
    ]
    praise = "C-ECHO and C-FIND need one direction only. Images come the other way, and that way is in the archive's table."


TEMPLATE = """setup = {
    # the machine
    "ip": ...,
    "mask": ...,
    "gateway": ...,
    "dns": ...,
    # its DICOM receiver
    "aet": ...,
    "port": ...,
    # the archive, as the station is to call it
    "pacs_aet": ...,
    "pacs_host": ...,
    "pacs_port": ...,
    # the entry for the station that you ask for at the archive
    "entry_aet": ...,
    "entry_host": ...,
    "entry_port": ...,
}"""
ENTRIES = ("ip", "mask", "gateway", "dns", "aet", "port", "pacs_aet", "pacs_host", "pacs_port", "entry_aet", "entry_host", "entry_port")


def settings(value):
    """The settings with addresses, ports and titles in one form."""
    if type(value) is not dict:
        raise ValueError("they are a dictionary with the entries of the template")
    given = {str(name).strip().casefold().replace(" ", "_").replace("-", "_"): one for name, one in value.items()}
    missing, more = [name for name in ENTRIES if name not in given], [name for name in given if name not in ENTRIES]
    if missing or more:
        raise ValueError(f"the entry `{missing[0]}` is missing" if missing else f"an entry `{more[0][:30]}` is not asked for")
    read = {}
    for name in ENTRIES:
        one = given[name]
        if type(one) is list and len(one) == 1:
            one = one[0]
        if type(one) is str and not one.strip():
            raise ValueError(f"`{name}` is empty")
        if type(one) is float and one.is_integer():
            one = int(one)
        if type(one) not in (str, int):
            raise ValueError(f"`{name}` holds neither text nor a whole number")
        try:
            read[name] = _setting(name, one)
        except ValueError as problem:
            raise ValueError(f"`{name}`: {problem}") from None
    return read


def _setting(name, value):
    if name == "mask":
        return mask(value)
    if name.endswith("port"):
        text = str(value).strip()
        if not re.fullmatch(r"\d{1,5}", text) or not 0 < int(text) < 65536:
            raise ValueError("a port is a whole number from 1 to 65535")
        return int(text)
    if name.endswith("aet"):
        # Leading and trailing blanks of an AE title do not count (PS3.5 6.2, VR AE); case does.
        title = str(value).strip()
        if not title or len(title) > 16 or "\\" in title or not title.isascii() or not title.isprintable():
            raise ValueError("an AE title has 1 to 16 characters of plain ASCII, no backslash")
        return title
    text = str(value).strip().casefold().rstrip(".")
    if name == "pacs_host" and text in (PACS_NAME, PACS_NAME.split(".")[0]):
        return PACS_NAME
    if name == "pacs_host" and re.fullmatch(r"[a-z][a-z0-9.\-]*", text):
        raise ValueError("the name server knows no host of that name; `ping` tells which names it knows")
    if name == "pacs_host" and "_" in text:
        raise ValueError("that is an AE title; a host name has no underscore, and the name server knows no AE titles. Give the archive's "
                         "address, or the host name that `ping` takes")
    return address(value)


def commission(given):
    """What happens when a station with these settings is plugged in: a dict with the outcome of each test."""
    hosts = _hosts()
    ip, mine = ipaddress.ip_address(given["ip"]), WORKSTATIONS
    used = {host.ip: host.name for host in hosts} | USED
    out = {"address": "free"}
    if ip not in mine:
        out["address"] = "outside"
    elif ip in (mine.network_address, mine.broadcast_address):
        out["address"] = "network or broadcast"
    elif given["ip"] in used:
        out["address"] = "off" if given["ip"] == OFF else "unlisted" if given["ip"] == UNLISTED else "used"
    elif given["ip"] not in FIXED:
        out["address"] = "pool" if given["ip"] in POOL else "kept"
    listening = frozenset({TAKEN_PORT, given["port"]})
    station = Host("new", given["ip"], given["mask"], given["gateway"], "workstations", "02:48:56:14:28:f0", listening, time_to_live=128,
                   stealth=True)
    network = _network([host for host in hosts if host.ip != given["ip"]] + [station])
    out["gateway in the network"] = ipaddress.ip_address(given["gateway"]) in station.network
    out["own gateway"] = given["gateway"] == given["ip"]
    routers = {router: name for name, _, router in PLAN}
    out["gateway"] = FIRST_GATEWAY if given["gateway"] == FIRST_GATEWAY else routers.get(given["gateway"], "no router")
    length = station.network.prefixlen
    out["mask"] = "right" if length == WORKSTATIONS.prefixlen else "narrow" if length > WORKSTATIONS.prefixlen else "wide"
    # An address outside of the segment's network gets no answer: the router looks for it elsewhere.
    targets = {"archive": "10.20.10.10", "burner": BURNER[1], "neighbour": "10.20.40.11"}
    out["reaches"] = {name: network.way(station, target)[0] for name, target in targets.items()}
    out["names"] = network.connect(station, given["dns"], 53) if given["dns"] == DNS else "no answer"
    titles = {host.name for host in hosts} | {"CT_ER", "WS_TEACH1"}
    out["pacs host"] = given["pacs_host"] in ("10.20.10.10", PACS_NAME)
    entry = given["entry_aet"]
    out["entry title"] = "same" if entry == given["aet"] else "case" if entry.casefold() == given["aet"].casefold() else (
        entry if entry in titles else "another")
    out["title"] = "used" if given["aet"] in titles else "new" if given["aet"] == "WS_ED2" else "odd"
    out["receiver"] = "port is taken" if given["port"] in (TAKEN_PORT, 135, 3389) else "listens"
    out["entry port"] = given["entry_port"] == given["port"]
    out["entry host"] = given["entry_host"] == given["ip"]
    out["echo"] = _echo_to_archive(given, network, station, out)
    out["images"] = _images_to_station(given, network, station, out)
    return out


def _echo_to_archive(given, network, station, out):
    """What comes of C-ECHO from the station to the archive as it is entered there."""
    host = given["pacs_host"]
    if host == PACS_NAME:
        if out["names"] != "connected":
            return "name not found"
        host = "10.20.10.10"
    said = network.connect(station, host, given["pacs_port"])
    if said != "connected":
        return said
    there = next((one[0] for one in world.DEVICES if (one[1], one[2]) == (host, given["pacs_port"])), "another program")
    if there != "HV_PACS":
        return "another program"
    return "success" if given["pacs_aet"] == there else "rejected: called AE title not recognized"


def _images_to_station(given, network, station, out):
    """What comes of C-MOVE with the station's own title as destination."""
    if out["echo"] != "success":
        return "not tried"
    if given["entry_aet"] != given["aet"]:
        return "A801H"
    archive = next(host for host in network.hosts if host.name == "HV_PACS")
    if network.way(archive, given["entry_host"])[0] != ARRIVED:
        return "nobody there"
    said = network.connect(archive, given["entry_host"], given["entry_port"])
    if said != "connected":
        return said
    if given["entry_host"] != given["ip"]:
        return "the archive itself" if given["entry_host"] == archive.ip else "another station"
    return "success" if given["entry_port"] == given["port"] and out["receiver"] == "listens" else "another program"


@lesson.exercise
class NewStation:
    """Fill in the form for **WS_ED2**: the machine's own settings, its DICOM receiver, the archive as the station calls it, and the entry
    that you ask for in the archive's AE table.

    Whatever works is right. Your settings are tried in the simulated network: ping to archive, disc burner and neighbour; name lookup;
    C-ECHO to the archive; C-MOVE, with the images coming back to the station; and the network group looks at the address.

    Addresses (without a /26 behind them), mask and titles stand in quotes, ports are bare numbers.
    """

    answer = Config("setup", reading=settings, template=TEMPLATE)
    points = 4

    def solution():
        return {
            "ip": "10.20.40.16",
            "mask": "255.255.255.192",
            "gateway": "10.20.40.1",
            "dns": "10.20.50.5",
            "aet": "WS_ED2",
            "port": 11112,
            "pacs_aet": "HV_PACS",
            "pacs_host": "10.20.10.10",
            "pacs_port": 11112,
            "entry_aet": "WS_ED2",
            "entry_host": "10.20.40.16",
            "entry_port": 11112,
        }

    def silent_is_free():
        return {**NewStation.solution(), "ip": OFF, "entry_host": OFF}

    def unlisted_is_free():
        return {**NewStation.solution(), "ip": UNLISTED, "entry_host": UNLISTED}

    def from_the_pool():
        return {**NewStation.solution(), "ip": "10.20.40.30", "entry_host": "10.20.40.30"}

    def copied_from_the_first():
        return {**NewStation.solution(), "ip": "10.20.40.13", "entry_host": "10.20.40.13"}

    def mask_of_habit():
        return {**NewStation.solution(), "mask": "255.255.255.0"}

    def mask_too_narrow():
        return {**NewStation.solution(), "mask": "255.255.255.224"}

    def mask_of_the_first():
        return {**NewStation.solution(), "mask": "255.255.0.0"}

    def gateway_next_door():
        return {**NewStation.solution(), "gateway": "10.20.40.65"}

    def gateway_of_the_first():
        return {**NewStation.solution(), "gateway": FIRST_GATEWAY}

    def gateway_of_the_servers():
        return {**NewStation.solution(), "gateway": "10.20.10.1"}

    def port_of_habit():
        return {**NewStation.solution(), "port": 104, "entry_port": 104}

    def any_port():
        return {**NewStation.solution(), "port": 4242, "entry_port": 4242}

    def titles_swapped():
        return {**NewStation.solution(), "pacs_aet": "WS_ED2"}

    def lower_case():
        return {**NewStation.solution(), "entry_aet": "ws_ed2"}

    def entry_for_the_first():
        return {**NewStation.solution(), "entry_aet": "WS_ED1"}

    def entry_for_the_archive():
        return {**NewStation.solution(), "entry_aet": "HV_PACS"}

    def entry_with_the_usual_port():
        return {**NewStation.solution(), "entry_port": 104}

    def entry_points_to_the_archive():
        return {**NewStation.solution(), "entry_host": "10.20.10.10"}

    def entry_points_to_the_first():
        return {**NewStation.solution(), "entry_host": "10.20.40.13", "entry_port": 104}

    def port_on_the_wrong_side():
        return {**NewStation.solution(), "pacs_port": 104}

    wrong_ways = {
        silent_is_free: "Nobody answers at this address today, but the list says whose it is. Its owner is switched off, and once it comes "
        "back two machines will share the address. No answer does not mean free.",
        unlisted_is_free: "The list has nothing at this address, but something answers there: ping it. Lists are never complete. Take "
        "another, and tell the network group.",
        from_the_pool: "This address is one that DHCP gives out. Some day it will hand it to a visitor's laptop while the station is using "
        "it.",
        copied_from_the_first: "That address has an owner, see the list: two machines would share it. A form that was copied from another "
        "station's brings that about.",
        mask_of_habit: "Archive and neighbours are reached, the disc burner is not. With this mask the station takes it for a neighbour "
        "and never asks its gateway. How long is the prefix of the workstations' network?",
        mask_too_narrow: "All three pings succeed, but many of the neighbours look foreign to the station: what it sends to them goes to "
        "the router and back onto the same wire, and broadcasts miss them. How long is the prefix of the workstations' network?",
        mask_of_the_first: "The archive is not reached: with this mask the station takes it for a neighbour and never asks its gateway. "
        "How long is the prefix of the workstations' network?",
        gateway_of_the_first: "That is the gateway that was typed into WS_ED1 on Friday. It does not lie in the station's own network, and "
        "no router in the plan has it.",
        gateway_of_the_servers: "That is the router's address in the servers' network. A gateway must be a neighbour of the station: the "
        "router's address on the station's *own* wire.",
        gateway_next_door: "The gateway does not lie in the station's own network: it is the router's address in the network next door. "
        "The station cannot reach it.",
        port_of_habit: "The receiver does not start: on this machine another program has that port already (see `netstat`). One port, one "
        "listener.",
        any_port: "C-ECHO to the archive succeeds, but no image arrives: the archive's connection to this port gets no answer. Which ports "
        "does the firewall let through to the workstations?",
        titles_swapped: "The archive rejects the association: *called AE title not recognized*. The called title is that of the one you "
        "call.",
        lower_case: "C-ECHO succeeds, C-MOVE ends with A801H, move destination unknown. Upper and lower case count in AE titles: station "
        "and entry must agree letter for letter.",
        entry_for_the_first: "C-ECHO succeeds, C-MOVE ends with A801H, move destination unknown. The entry has the title of "
        "the workstation beside it; this station calls itself by its own.",
        entry_for_the_archive: "C-ECHO succeeds, C-MOVE ends with A801H, move destination unknown. The entry has the archive's own "
        "title. It is to tell the archive of the *station*.",
        entry_with_the_usual_port: "C-ECHO succeeds. For C-MOVE the archive calls the station at the port of the entry, and there another "
        "program answers.",
        entry_points_to_the_archive: "The archive looks up where the station is, and the entry sends it to itself. An entry tells how to "
        "reach the *station*.",
        entry_points_to_the_first: "The images go to another workstation: the entry has the new title and the old host. A copied row, half "
        "changed.",
        port_on_the_wrong_side: "C-ECHO does not get through: at the archive's address nothing can be reached at this port. Each side has "
        "a port of its own; this one is the archive's.",
    }
    hints = [
        "Go rung by rung. Address: fixed range, on no list, and nobody answers. Mask and gateway: the row *workstations* of the network "
        "plan.",
        "The station's own port: not taken on this machine, and let through by the firewall. Title: as the request has it, upper case.",
        "The archive's three entries are its title, its address and the port at which *it* listens.",
        "The entry at the archive repeats, letter for letter, three things that you have filled in above: title, address and port of the "
        "station.",
    ]
    praise = "Address, way, port, titles, and both directions. Hand this form to the next one who unpacks a workstation."

    def trial(settings, hospital):
        return commission(settings)

    def faults(outcome):
        found = []
        told = {
            "outside": "The address does not lie in the workstations' network, so neither gateway nor neighbours can talk to it.",
            "network or broadcast": "The first address of a network names the network, and the last is for broadcasts. A machine can have "
            "neither.",
            "used": "The address belongs to another device already.", "off": "The address is somebody's who is switched off.",
            "unlisted": "Something answers at this address already.", "pool": "The address lies in the range that DHCP gives out.",
            "kept": "The address lies in the range that the network group keeps for itself.",
        }
        if outcome["address"] != "free":
            found.append(told[outcome["address"]])
        if outcome["own gateway"]:
            found.append("The gateway is the station's own address. It is to be the router's, which passes packets on.")
        elif not outcome["gateway in the network"]:
            found.append("The gateway does not lie in the network that the station's address and mask span; the station cannot reach it.")
        elif outcome["gateway"] != "workstations":
            found.append("There is no router at the gateway's address: packets to other networks are lost.")
        for name, reached in outcome["reaches"].items():
            if reached != ARRIVED:
                found.append(f"Ping to the {name} gets no answer. Compare address and mask with the network plan.")
        if outcome["mask"] != "right":
            found.append("The mask is not that of the workstations' network: neighbours and strangers get mixed up.")
        if outcome["names"] != "connected":
            found.append("Names cannot be looked up: at the address of `dns` no name server answers.")
        if outcome["title"] == "used":
            found.append("The AE title is in use by another device.")
        if outcome["title"] == "odd":
            found.append("The AE title is not the one on the request.")
        if outcome["receiver"] != "listens":
            found.append("The station's receiver does not start: another program listens on its port.")
        if outcome["echo"] != "success":
            where = "" if outcome["pacs host"] else " The host in `pacs_host` is not the archive."
            met = "another program answers there" if outcome["echo"] == "another program" else outcome["echo"]
            found.append(f"C-ECHO from the station to the archive fails: {met}.{where}")
        told = {
            "A801H": "C-ECHO succeeds, but C-MOVE ends with A801H, move destination unknown: the entry at the archive does not have the "
            "title by which the station calls itself.",
            "timed out": "C-ECHO succeeds, but the archive's connection to the station, for the images of C-MOVE, gets no answer."
            + ("" if outcome["entry port"] else " The entry names another port than the one at which the station listens, and a port of "
               "Windows at which nobody listens keeps silent."),
            "refused": "C-ECHO succeeds, but the archive's connection to the station, for the images of C-MOVE, is refused: nobody listens "
            "there.",
            "nobody there": "C-ECHO succeeds, but for C-MOVE the archive finds nobody at the address of the entry.",
            "the archive itself": "C-ECHO succeeds, but for C-MOVE the archive calls itself.",
            "another station": "C-ECHO succeeds, but the images of C-MOVE go to another machine.",
            "another program": "C-ECHO succeeds, but where the archive calls the station for C-MOVE another program answers.",
        }
        if not outcome["entry host"] and outcome["images"] in ("timed out", "refused", "another program"):
            found.append("C-ECHO succeeds, but for C-MOVE the archive calls another machine: the address in the entry is not the "
                         "station's.")
        elif outcome["images"] in told:
            found.append(told[outcome["images"]])
        return found
