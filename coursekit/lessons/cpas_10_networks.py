"""Networking technology: the exercises of lesson cpas-10."""

import ipaddress
import re

from coursekit.checking import Choice, Function, Lesson, Number, Set, Table, Text
from coursekit.checking.kinds.base import Difference
from coursekit.checking.kinds.table import Rows
from coursekit.checking.reading import Unclear, Unreadable, is_library, plain, short, span
from coursekit.checking.verdict import Outcome, Verdict
from coursekit.hospital import world
from coursekit.hospital.draws import Draws

lesson = Lesson(
    "cpas-10",
    title="Networking technology",
    version=1,
    minutes=90,
    objectives=[
        "name the layer at which a connection fails, and read a frame from its hardware addresses to the DICOM inside",
        "tell from address and mask where a packet goes next, which networks collide, and which rules a firewall needs",
        "say from a capture whether a slow transfer is held up by the line, by the distance or by a fault, and what would help",
    ],
    covers=["networking technology"],
    needs=["cpas-01"],
)

LINE = 1000                                 # Mbit/s, of the line to Eastcliff
EASTCLIFF = "EC_WS1", "10.60.40.15", 104
SERVER_WAIT = 0.025                         # seconds that Eastcliff's workstation takes for an image, after its last byte
NETWORKS = {
    "imaging servers": "10.20.10.0/24", "clinical servers": "10.20.20.0/24", "modalities": "10.20.30.0/24",
    "reading workstations": "10.20.40.0/26", "film and discs": "10.20.40.64/26", "infrastructure": "10.20.50.0/24",
    "offices": "10.20.60.0/24",
}
VLANS = {"imaging servers": 10, "clinical servers": 20, "modalities": 30, "infrastructure": 50, "reading workstations": 40,
         "film and discs": 41, "offices": 60}
AT_EASTCLIFF = {"Eastcliff servers": "10.60.10.0/24", "Eastcliff workstations": "10.60.40.0/24"}
HOSTS = {        # of networks in which no device of the archive's table stands
    "clinical servers": ["HIS        10.20.20.10", "RIS        10.20.20.11"],
    "film and discs": ["BURNER1    10.20.40.70"],
    "infrastructure": ["DNS        10.20.50.5", "audit log  10.20.50.10"], "offices": ["PCs and printers"],
}
IP_OF = {aet: host for aet, host, *_ in world.DEVICES}


# --- what a person may write

def mac(text):
    """A hardware address in the form 02:48:56:14:1e:47, from any of the usual ones."""
    written = str(text).casefold()
    whole = set(re.findall(r"(?<![\w:-])[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?![\w:-])", written))     # "10.20.10.1 at 02:48:...", as of arp
    digits = re.sub(r"[\s:.\-]|0x", "", whole.pop() if len(whole) == 1 else written)
    if not re.fullmatch(r"[0-9a-f]{12}", digits):
        raise ValueError("a hardware address has twelve hexadecimal digits")
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def layer(value):
    """The number of a layer from its number or name; 5 to 7 are one here: 7."""
    text = str(value).strip().casefold()
    if re.fullmatch(r"\d+\.0*[1-9]\d*", text):
        raise ValueError("a layer is a whole number")
    names = {"physical": 1, "link": 2, "ethernet": 2, "network": 3, "internet": 3, "ip": 3, "transport": 4, "tcp": 4,
             "session": 7, "presentation": 7,
             "application": 7}
    numbers = {min(int(one), 5) for one in re.findall(r"(?<!\d)[1-7](?!\d)", text)}
    numbers |= {min(names[word], 5) for word in re.findall(r"[a-z]+", text) if word in names}
    if len(numbers) > 1:
        raise ValueError("one layer is asked for each symptom, and here are several")
    if not numbers:
        raise ValueError("give the number of a layer")
    number = numbers.pop()
    return 7 if number == 5 else number


def host(value):
    """An IPv4 address, from that (also as a network of one, with /32), the name of a system of the hospital, or both."""
    text = str(value).strip(" '\"").upper()
    words = [word.removesuffix("/32") for word in re.split(r"[\s,;@()=]+", text) if word]
    found = {IP_OF.get(word, word) for word in words}
    if len(found) > 1:
        raise ValueError("a rule names one host as its source and one as its target; give the host's name or its IP address, nothing else")
    return found.pop() if found else text


def tcp_port(value):
    """The number of a TCP port, from that or from a notation of firewalls: 104/tcp, TCP 104, tcp/104."""
    found = re.fullmatch(r"(?:tcp[\s/:_]*)?(?:port\s*)?(\d{1,5})(?:[\s/]*tcp)?", str(value).strip(" '\"").casefold())
    if not found:
        raise ValueError("a port is a whole number")
    return int(found[1])


def switch_port(value):
    """A port of the switch as 1/0/7, from that, Gi1/0/7 or 7."""
    text = str(value).strip().casefold()
    text = re.sub(r"\s*[(,;]?\s*vlan\s*\d+\)?$", "", text)
    found = re.fullmatch(r"(?:(?:switch\s*)?(?:port|interface)\s*)?(?:gi?[a-z]*|eth[a-z]*)?\s*(?:1/0/)?(\d{1,2})", text)
    if not found:
        raise ValueError("a port of this switch is written like gi1/0/3")
    return f"1/0/{int(found[1])}"


def network(value):
    """A network in the form 10.20.30.0/24, from that or from any address in it with the mask."""
    if isinstance(value, (list, tuple)):
        raise ValueError("give each of the `planned` networks by itself, without the one that it shares addresses with")
    text = str(value).strip(" '\"")
    if "/" not in text:
        raise ValueError("write a network with its mask, as it stands in the list")
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ValueError("write one network of the list, four numbers and its mask, such as 192.0.2.0/24") from None


def _written(value):
    """An address or network of Python's ipaddress module as text; what else is given stays as it is."""
    return str(value) if type(value) in (ipaddress.IPv4Address, ipaddress.IPv4Network, ipaddress.IPv4Interface) else value


class Address(Text):
    """An IPv4 address, as text or as an object of the ipaddress module."""

    takes = "an address, as text"

    def read(self, given):
        """The address as text."""
        return super().read(_written(given))


class Networks(Set):
    """Networks, as text or as objects of the ipaddress module; one that does not belong there is told what it is."""

    takes = "a list of networks"

    def judge(self, exercise, given, editions):
        """As for every Set, but an extra network is explained."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label != "extra":
            return verdict
        right = exercise.computed(exercise.solution, editions.own)
        extra = next(one for one in self.read(*given) if one not in right)
        if extra in exercise.lesson.input_of("existing", editions.own):
            said = "it is in use. Asked is which of the `planned` ones share addresses with such a one."
        elif extra not in exercise.lesson.input_of("planned", editions.own):
            said = "it stands in neither list."
        else:
            reach = ipaddress.ip_network(extra)
            said = f"it reaches from {reach[0]} to {reach[-1]}, and no network in use has an address among these."
        return Verdict(Outcome.NOT_YET, f"`{extra}` does not belong there: {said}", "extra")

    def read(self, given):
        """A dict from each network, as text, to what was given."""
        return super().read([_written(item) for item in given] if type(given) in (list, tuple, set, frozenset) else _written(given))


class Rate(Number):
    """A rate of which one wants to know the size: a wrong one is known by its share, so that small ones are not taken for each other."""

    def judge(self, exercise, given, editions):
        """As for every number; mebibits are told before any way that comes near them by chance, and of the ways the nearest."""
        verdict = super().judge(exercise, given, editions)
        if verdict.outcome is not Outcome.NOT_YET or verdict.label == "unreadable":
            return verdict
        answer = self.read(*given)
        mebibit = exercise.computed(exercise.solution, editions.own) * 1e6 / 2**20
        if Number(self.variables[0], self.unit, 0.006).difference(answer, (mebibit,)) is None:
            return Verdict(Outcome.NOT_YET, "You divided by 1024 x 1024: those are mebibits. In networks a Mbit is a million bits.",
                           "mebibits")
        near = []
        measured = _measured(exercise.lesson.input_of("eastcliff", editions.own))
        for way, feedback in exercise.wrong_ways.items():
            name = way.__name__
            for wrong in measured.get(name) or [exercise.computed(way, editions.own)]:
                away = min(abs(one - wrong) for one in answer)
                if away < 0.07 if name in measured or name.startswith("headers_") else self.difference(answer, (wrong,)) is None:
                    near.append((away, name, feedback))
        if not near:
            return Verdict(Outcome.NOT_YET, "That is not the number that was asked.", "value")
        _, name, feedback = min(near)
        return Verdict(Outcome.NOT_YET, feedback, name)

    def read(self, given):
        """The rate; "Mbit" alone is one in a second."""
        if type(given) is str:
            given = re.sub(r"(?i)\bmega ?bits?\b", "Mbit", given)
            given = re.sub(r"(?i)(\d\s*)mbits?\s*$", r"\1Mbit/s", given)
        return super().read(given)

    def difference(self, answer, other):
        """As Number's, with a tolerance of at most a twentieth, and for large numbers a thousandth."""
        size = abs(other[0])
        return Number(self.variables[0], self.unit, max(min(self.tolerance, size / 20), size / 1000)).difference(answer, other)


class Rounded(Number):
    """A number that may be rounded: it's right when it's so within a share of it, `within`, or to two decimals."""

    def __init__(self, variables, unit, within):
        super().__init__(variables, unit)
        self.within = within

    def difference(self, answer, other):
        """As Number's, with a tolerance that grows with the number."""
        return Number(self.variables[0], self.unit, max(0.0051, self.within * abs(other[0]))).difference(answer, other)


class HardwareAddress(Text):
    """A hardware address, as text or as its six bytes."""

    takes = "a hardware address, as text"

    def __init__(self, variables):
        super().__init__(variables, reading=mac, remark=self._other)

    @staticmethod
    def _other(given, right):
        """What to look at, of a wrong address."""
        return "In the Ethernet header the first six bytes are the target, the next six the source. Those that you gave are not the latter."

    def read(self, given):
        """The address as text."""
        value = plain(given)
        if type(value) is list and len(value) == 6 and all(type(one) is int and 0 <= one < 256 for one in value):
            value = bytes(value)
        if type(value) is bytes and len(value) < 12:
            if len(value) != 6:
                raise Unreadable(f"A hardware address has six bytes; you gave {len(value)}.")
            value = value.hex(":")
        return super().read(value)


class Offset(Number):
    """An offset: a whole number that is right or not."""

    takes = "an offset, a number"

    def read(self, given):
        """The number; a range is told that its beginning is asked."""
        if type(given) is str:
            number = r"(?:0x[0-9a-f]+|[0-9][0-9a-f]*h?)"
            if re.fullmatch(rf"(?i)\s*{number}\s*(?:-|to|\.\.)\s*{number}\s*", given):
                raise Unreadable(f"{short(given)} is a range. Asked is one offset, that of the first byte.")
            number = "(0x[0-9a-f]+|[1-9][0-9]*|0)"
            both = re.fullmatch(rf"(?i)\s*{number}\s*(?:\(|=|,|or)\s*{number}\s*\)?\s*", given)           # 12 (0x0C)
            if both and int(both[1], 0) == int(both[2], 0):
                given = both[1]
            given = re.sub(r"(?i)\s*bytes?\s*$", "", given)
            given = re.sub(r"(?i)^\s*([0-9a-f]{1,4})\s*h\s*$", r"0x\1", given)           # as DICOM writes it: 42H
        return super().read(given)

    def judge(self, exercise, given, editions):
        """As for every number; of a wrong one with no known reason it's told what stands there."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label not in ("value", "close"):
            return verdict
        frame, right = exercise.lesson.input_of("frame", editions.own), exercise.computed(exercise.solution, editions.own)
        at = self.read(given[0])[0]
        if not 0 <= at < len(frame) or at != int(at):
            said = f"An offset in this frame is a whole number from 0 to {len(frame) - 1}."
        elif at >= right:
            said = "That is inside the DICOM part already, which begins earlier."
        elif at == 46:
            said = "There stands the byte that says how long the TCP header is. What does its first digit say?"
        else:
            header = "Ethernet" if at < 14 else "IP" if at < 14 + (frame[14] & 15) * 4 else "TCP"
            said = f"At that offset stands part of the {header} header; DICOM begins behind all three headers."
        return Verdict(Outcome.NOT_YET, said, verdict.label)


def _named(table, columns):
    """The table, with these columns if it has as many and none has a name."""
    return Rows(columns, table.rows, table.otherwise) if table.columns == [""] * len(columns) else table


class Layers(Table):
    """The layer of each symptom; each wrong one is told why it's not that one."""

    takes = "a dictionary, a table or a list with the layers of all eight"

    def read(self, given):
        """The table; eight values alone are those of S1 to S8."""
        return _named(super().read(self._by_symptom(given)), ["symptom", "layer"])

    def _by_symptom(self, given):
        """A dictionary from S1 to S8, where each of the eight has one value; what else is given stays as it is."""
        if is_library(given, "pandas", "DataFrame") or is_library(given, "pandas", "Series") and "S1" in map(str, given.index):
            return given
        value = plain(given)
        if type(value) is dict:
            numbered = {str(key): one for key, one in value.items()}
            return {f"S{key}": one for key, one in numbered.items()} if set(numbered) == set("12345678") else given
        if type(value) is list and len(value) == 8 and all(type(one) is str and re.match(r"\s*[sS][1-8]\b", one) for one in value):
            value = "\n".join(value)
        if type(value) is str:
            before, *parts = re.split(r"\b[sS]([1-8])\b", value)
            if parts:
                return {f"S{name}": one.strip(" \t\n\r:=>-,;{}'\"") for name, one in zip(parts[::2], parts[1::2])}
            parts = [one for one in re.split(r"[,;\n]", value) if one.strip()]
            value = parts if len(parts) > 1 else value.split()
        if type(value) is list and len(value) == 8 and all(type(one) in (int, float, str) for one in value):
            return {f"S{number}": one for number, one in enumerate(value, 1)}
        return given

    def judge(self, exercise, given, editions):
        """As for every table; of wrong layers the first three get their reason."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label != "value":
            return verdict
        wrong = []
        symptoms = exercise.lesson.input_of("symptoms", editions.own)
        for name, number in self._by_name(self.read(*given)).items():
            right, _, reasons = next(one for one in SYMPTOMS if one[1] == symptoms[name])
            if number != right:
                wrong.append(f"{name}: {reasons.get(number) or AT_LAYER.get(number, 'a layer here is 1, 2, 3, 4 or 7.')}")
        if not wrong:
            return verdict
        count = f"{len(wrong)} of the eight {'are' if len(wrong) > 1 else 'is'} not right yet. "
        return Verdict(Outcome.NOT_YET, count + " ".join(wrong[:3]), "value")

    def _by_name(self, table):
        found = {}
        for row in table.rows:
            name = next((str(cell).strip().upper() for cell in row if re.fullmatch(r"\s*[sS][1-8]\s*", str(cell))), None)
            rest = [cell for cell in row if str(cell).strip().upper() != name]
            if name and rest:
                try:
                    found[name] = layer(rest[-1])
                except ValueError:
                    found[name] = None
        return found


class Rules(Table):
    """Rules of a firewall: who may call whom, and at which port."""

    takes = "a table or a list of rows, each with source, target and port"

    def read(self, given):
        """The rules; text is one rule a line, as one writes it to the firewall's owner; `target_port` is as good a name as `port`."""
        lines = given.splitlines() if type(given) is str else given
        if type(lines) in (list, tuple) and lines and all(type(line) is str for line in lines):
            lines = [line for line in lines if line.partition("#")[0].strip()]                  # behind # stands a remark
            given = [self._words(line.partition("#")[0]) for line in lines]
            for line, row in zip(lines, given):
                if len(row) != 3:
                    raise Unreadable(f"{short(line)} can't be read as a rule. As text, give one rule a line, with source, target and port "
                                     "and nothing else: `CLIENT SERVER 1234`. A remark may stand behind `#`.")
        table = super().read(given)
        names = [str(name).strip().casefold() for name in table.columns]
        if "port" not in names:
            if "source_port" in names:
                raise Unreadable("Your table has a column `source_port`, but none that is called `port`. Choose the column in which the "
                                 "*listening* port stands, and give it the name `port`: `.rename(columns={\"...\": \"port\"})`.")
            table = Rows(["port" if name == "target_port" else name for name in table.columns], table.rows)
        for row in table.rows:
            for cell in row:
                if type(cell) is str and re.fullmatch(r"\s*[\d.]{7,15}/\d+\s*", cell) and not cell.strip().endswith("/32"):
                    raise Unreadable(f"{short(cell)} is a whole network. Here a rule names one host as its source and one as its target: "
                                     "what has no need to call should not be able to.")
        named = [str(name).strip().casefold() for name in table.columns]
        hosts = [named.index(name) for name in ("source", "target") if name in named] or [0, 1]
        for cell in (row[place] for row in table.rows for place in hosts if place < len(row)):
            try:
                host(cell)
            except ValueError as problem:
                raise Unreadable(f"{short(cell)} can't be read here: {problem}.") from None
        return table

    def _words(self, line):
        """Source, target and port of a line such as "from CLIENT to SERVER port 1234/tcp"."""
        words = re.split(r"[\s,;:>→|\-]+", re.sub(r"(?i)/tcp\b|\btcp/", " ", line).strip(" ,;."))
        between = ("", "from", "to", "port", "tcp", "on", "at", "allow", "permit", "host", "eq")
        return [word for word in words if word.casefold() not in between]

    def difference(self, answer, other):
        """As Table's; a rule for answers, and one for the workstation that was being set up, are told what they are."""
        difference = super().difference(answer, other)
        if difference and difference.label in ("extra row", "value"):
            asked, given = self._triples(other), self._triples(answer)
            pairs = {rule[:2] for rule in asked}
            back = [rule for rule in given if rule[:2] not in pairs and rule[1::-1] in pairs] if asked <= given else []
            listening = {rule[2] for rule in asked if any(rule[1::-1] == one[:2] for one in back)}
            if any(port in listening or port.isdigit() and int(port) >= 1024 for _, _, port in back):
                return Difference("You have a rule for answers as well, from a server back to whoever called it. The firewall is stateful: "
                                  "it remembers who opened a connection and lets the answers pass.", "answers")
            if back:
                caller, called = (next(name for name, ip in IP_OF.items() if ip == one and name != "CT_ER") for one in back[0][:2])
                return Difference(f"You have a rule by which {caller} may call {called}. In the list is no SYN from the one to the other: "
                                  "what goes that way are answers, and those pass by themselves.", "extra row")
        if difference and difference.label in ("extra row", "value") and any(IP_OF["WS_ED1"] in map(_host_of, row) for row in answer.rows):
            return Difference("You have a rule with WS_ED1. No SYN of it was answered, so from this list nobody knows to which port it "
                              "will call, or where it listens. It will need rules, once it is set right: that is a question to ask, not "
                              "to guess.", "extra row")
        return difference

    def _triples(self, table):
        """Who may call whom and where: the rules of a table."""
        names = [str(name).strip().casefold() for name in table.columns]
        places = [names.index(name) for name in ("source", "target", "port")] if {"source", "target", "port"} <= set(names) else [0, 1, 2]
        return {(*(_host_of(row[place]) for place in places[:2]), _port_of_a_rule(row[places[2]])) for row in table.rows if len(row) > 2}


def _port_of_a_rule(cell):
    try:
        return str(tcp_port(cell))
    except ValueError:
        return ""


def _host_of(cell):
    try:
        return host(cell)
    except (ValueError, IndexError):
        return ""


class Plan(Table):
    """Seconds of each measure; each wrong row is compared with what a misconception makes of that row."""

    takes = "a dictionary or a table with the four rows"

    def __init__(self, variables):
        super().__init__(variables, key=["measure"], tolerance=1.01, reading={"measure": measure})

    def read(self, given):
        """The rows, the times as numbers of seconds; four numbers alone are the rows in their order."""
        if type(given) is str:
            lines = [re.fullmatch(r"\s*(.+?)\s*[:=]\s*(.+?)\s*", line) for line in re.split(r"[\n;]", given) if line.strip()]
            given = {line[1].strip("'\""): line[2] for line in lines} if lines and all(lines) else given
        if is_library(given, "numpy", "ndarray"):
            given = plain(given)
        if type(given) in (list, tuple) and len(given) == len(PLANS) and all(type(one) in (int, float) for one in given):
            given = dict(zip(PLANS, given))
        if type(given) is dict:
            spans = {name: span(value) for name, value in given.items()}
            given = {name: value if spans[name] is None else spans[name] for name, value in given.items()}
        table = _named(super().read(given), ["measure", "seconds"])
        return Rows(table.columns, [tuple(map(_in_seconds, row)) for row in table.rows], table.otherwise)

    def judge(self, exercise, given, editions):
        """As for every table; then row by row."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label != "value":
            return verdict
        right = self._by_measure(exercise.computed(exercise.solution, editions.own))
        for name, value in self._by_measure(given[0]).items():
            if abs(value - right[name]) <= self.tolerance:
                continue
            near = []
            for way, feedback in exercise.wrong_ways.items():
                wrong = self._by_measure(exercise.computed(way, editions.own))[name]
                if abs(wrong - right[name]) > self.tolerance and abs(value - wrong) <= max(0.01, 0.004 * wrong):
                    near.append((abs(value - wrong), way.__name__, feedback))
            if near:
                _, way, feedback = min(near)
                return Verdict(Outcome.NOT_YET, f"Look at the row `{name}` first. {feedback}", way)
            other = next((other for other in right if abs(value - right[other]) <= self.tolerance), None)
            if other:
                said = f"Look at the row `{name}` first. What stands there belongs to the row `{other}`."
                return Verdict(Outcome.NOT_YET, said, "other row")
            # No wrong way of its own: with a small study it's within the second that is allowed.
            study, trip = (exercise.lesson.input_of(one, editions.own) for one in ("study", "round_trip"))
            if name == "window 256 KiB" and abs(value - _seconds(study, trip, window=256_000)) <= 0.5:
                return Verdict(Outcome.NOT_YET, f"Look at the row `{name}` first. You took 256 KiB for 256,000 bytes. KiB counts in 1024s: "
                               "the table says how many bytes they are.", "thousands")
            break
        return verdict

    def _by_measure(self, given):
        """{measure: seconds} of the rows that are numbers, in the order of the question."""
        found = {}
        for row in self.read(given).rows:
            numbers = [cell for cell in row if type(cell) in (int, float)]
            names = {measure(cell) for cell in row if type(cell) is str} & {measure(name) for name in PLANS}
            if numbers and names:
                found[names.pop()] = min(numbers[-1], 10**12)
        return {name: found[measure(name)] for name in PLANS if measure(name) in found}


def measure(value):
    """The name of a measure without its blanks, from that or from what tells it from the others."""
    text = re.sub(r"[\W_]", "", str(value).casefold())
    for name, pattern in (("line10gbits", r"(line)?10gbit(s|ps|sec)?"), ("window256kib", r"(window)?256kib"),
                          ("fourassociations", r"(4|four)(associations)?")):
        if re.fullmatch(pattern, text):
            return name
    return text


def _in_seconds(cell):
    """A time as a number of seconds, from that or from text with a unit; what else is given stays as it is."""
    if type(cell) is not str or not re.match(r"\s*\d", cell):
        return cell
    if re.fullmatch(r"\s*\d+:\d\d(:\d\d)?([.,]\d+)?\s*\w*\s*", cell):
        raise Unreadable(f"{short(cell)} looks like minutes and seconds. Asked are seconds alone, as a number.")
    both = re.fullmatch(r"\s*(\d+)\s*min\w*\s*(?:and\s*)?(\d+(?:\.\d+)?)\s*s\w*\s*", cell)
    if both:
        return 60 * int(both[1]) + float(both[2])
    try:
        return Number("x", unit="s").read(cell)[0]
    except Unclear:
        return cell


# --- inputs

def _packets(hospital, name):
    from coursekit.standards import pcap
    return pcap.packets(hospital.capture(name).packets)


@lesson.input
def names(hospital):
    """The name of each system by its address."""
    return {ip: aet for aet, ip in IP_OF.items() if aet != "CT_ER"} | {EASTCLIFF[1]: EASTCLIFF[0]}


@lesson.input
def site(hospital):
    """The networks of the hospital and of Eastcliff with some hosts each, as `network_map` takes them."""
    networks = []
    for name, vlan in VLANS.items():                    # film and discs beside the workstations, with whom they share a third number
        network = NETWORKS[name]
        inside = ipaddress.ip_network(network)
        hosts = [f"{aet:<10} {ip}" for aet, ip in IP_OF.items() if aet != "CT_ER" and ipaddress.ip_address(ip) in inside]
        hosts = hosts or HOSTS.get(name, [])
        more = [f"{len(hosts) - 4} more, also dental"] * (len(hosts) > 4)
        networks.append((name, f"{network:<15} VLAN {vlan}", hosts[:4] + more))
    inside = [f"{EASTCLIFF[0]:<10} {EASTCLIFF[1]}", f"servers: {AT_EASTCLIFF['Eastcliff servers']}"]
    outside = "Eastcliff Clinic", AT_EASTCLIFF["Eastcliff workstations"], inside, "line of the provider, 1 Gbit/s, with VPN"
    return networks, "core: a router for each network (its first address) and, between them, the firewall", outside


@lesson.input
def echo(hospital):
    """The packets of a connection test of WS_CH1 with the archive."""
    return _packets(hospital, "echo")


@lesson.input
def echo_frame(hospital):
    """Of that test, the frame with the association request, as bytes."""
    from coursekit.standards import pcap
    return pcap.read(hospital.capture("echo").packets)[3].data


@lesson.input
def frame(hospital):
    """The frame in which the emergency CT asked the archive for an association in the night of Case 17, as bytes."""
    from coursekit.standards import pcap
    capture = hospital.capture("ct_store")
    return pcap.read(capture.packets)[capture.truth["associations"][0]["request_frame"] - 1].data


AT_LAYER = {    # what speaks against a layer, where a symptom has nothing of its own
    1: "layer 1 is plug, wire and light. Do bits arrive here, or don't they?",
    2: "layer 2 is frames between neighbours, by hardware address and VLAN. Is it a switch that decides here?",
    3: "layer 3 is IP addresses, masks and routes. Are they in question here?",
    4: "layer 4 is TCP: segments, port numbers, windows. Is it there that you see something wrong?",
    7: "layer 7 is what programs say to each other. Did any program get so far as to say something here?",
}
_NO_SOCKET = "a TCP port is a number in a header. The port of a switch, where a cable goes in, is another thing with the same name."
SYMPTOMS = (    # layer, what is seen, {another layer: why it's not that one}
    (1, "The little lamp beside the network socket of the scanner stays dark.", {
        2: "ask whether the switch port is shut, by all means. But what you see is that no signal arrives, before there is any frame.",
        3: "an address is of use only when bits arrive. The lamp is lit with any address, and with none."}),
    (1, "The fibre to the cath lab delivers too little light: -31 dBm, where the transceiver needs at least -17.", {
        2: "the transceiver sits in the switch, but what is measured is light. No frame comes into it."}),
    (1, "A pair of wires is broken in the patch cable.", {
        2: "the switch may count what comes of it. What is broken is the wire, whatever frames go over it."}),
    (2, "The switch port of the new workstation is assigned to VLAN 60 instead of VLAN 40; the cable is fine.", {
        1: "the cable is fine, and the lamp is lit. A VLAN is a setting.",
        3: "a VLAN says which switch ports hear each other's frames, whatever is in them. That a network of IP belongs to it is a habit.",
        4: "the port here is one of the switch, where a cable goes in, and no number in the TCP header."}),
    (2, "The switch throws the frames of a new device away, because its hardware address is not on the port's list.", {
        1: "the signal is in order: the frames arrive and are read. It's what stands in them that the switch does not like.",
        3: "a hardware address is no IP address. No mask and no route comes into it.",
        4: "the port here is one of the switch, where a cable goes in, and no number in the TCP header.",
        7: "the frames are thrown away before any program sees them."}),
    (2, "Two switches are joined by two cables, and broadcasts circle between them without end.", {
        1: "both cables carry what they should. Without a rule for it, frames go round by one and back by the other.",
        3: "no router is in this circle. It would pass no broadcast on, and take one off the time to live of everything else."}),
    (3, "The subnet mask of the workstation is too wide, so it looks for the archive on its own wire.", {
        1: "the wire is all right; the workstation only believes that the archive hangs on it.",
        2: "that it asks on its own wire is what follows. The setting that is wrong is part of an address."}),
    (3, "A router answers: no route to the network 10.60.40.0.", {
        2: "switches know nothing of networks and routes; it's a router that answers.",
        4: "the answer is about a whole network, with all hosts and ports in it.",
        7: "no program at the far end was reached; the answer comes from a router on the way."}),
    (3, "The default gateway that is typed in belongs to no network of this workstation.", {
        2: "that nobody answers the question for its hardware address is what follows. What was typed in is another kind of address.",
        7: "it was typed into the operating system's settings, but no program of the workstation says anything by it."}),
    (4, "To port 11113 a SYN is answered with RST.", {
        1: _NO_SOCKET,
        2: _NO_SOCKET,
        3: "the SYN got there and the answer came back: addresses and routes are right in both directions.",
        7: "it may be put right by starting a program. Asked is where it shows: no word of DICOM was said, neither there nor back."}),
    (4, "The firewall lets SYN segments to port 11112 through and drops those to port 7070.", {
        1: _NO_SOCKET,
        2: _NO_SOCKET,
        3: "the addresses are the same for both ports: by address and route alone both would pass, or neither.",
        7: "the firewall decides by the first segment, before any program has said a word."}),
    (4, "In the capture, the window of the receiver goes down to zero and stays there.", {
        3: "the packets arrive: each is answered, and the answer holds the zero.",
        7: "the cause may well be a program that does not read. Asked is where it shows: no program has said anything about it."}),
    (7, "The association is refused: called AE title not recognized.", {
        3: "an AE title is a name inside DICOM. The IP address was right, or nobody would have answered.",
        4: "the AE title is part of the data. It was delivered, read by the archive's program, and refused by that."}),
    (7, "The archive answers each C-STORE with status A700, out of resources.", {
        1: "the image got there and the answer came back: wires and light are all right.",
        4: "the connection stands: question and answer were both delivered over it."}),
    (7, "No presentation context is accepted: the receiver does not know the transfer syntax.", {
        4: "the *transfer* in transfer syntax is DICOM's word. The connection stands, the offer was read and turned down."}),
    (7, "The name hv-pacs is not found by the name server; with the address in its place all works.", {
        2: "with the address all works, so frames and hardware addresses do.",
        3: "with the address all works. So addresses, masks and routes are right: it's the name that fails.",
        4: "with the address all works, on the same port. It's the name that fails."}),
)


@lesson.input
def symptoms(hospital):
    """Eight symptoms, named S1 to S8: a dict."""
    draws = Draws(hospital.seed, "cpas-10 symptoms")
    chosen = []
    for number, wanted in ((1, 1), (2, 2), (3, 1), (4, 2), (7, 2)):
        here = [symptom for symptom in SYMPTOMS if symptom[0] == number]
        # What is most often mistaken is asked on every seed: the VLAN, the port, the AE title.
        fixed = {2: here[:1], 4: here[:1], 7: here[:1]}.get(number, [])
        rest = [one for one in here if one not in fixed]
        chosen += fixed + [rest[place] for place in draws.sample(range(len(rest)), wanted - len(fixed))]
    return {f"S{number}": text for number, (_, text, _) in enumerate(_shuffled(draws, chosen), 1)}


def _shuffled(draws, values):
    return [value for _, value in sorted(zip(draws.raw(len(values)).tolist(), values), key=lambda pair: pair[0])]


def _hardware(ip):
    """The hardware address of a host of the hospital, as the captures have it."""
    return "02:48:56:" + bytes(int(part) for part in ip.split(".")[1:]).hex(":")


class Transcript:
    """What a command printed: shown as text, line by line."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text


@lesson.input
def arp_of_archive(hospital):
    """The ARP table of HV_PACS, as its operating system prints it."""
    rows = ["hv-pacs$ arp -n", "Address                  HWtype  HWaddress           Iface"]
    known = {"10.20.10.1": "02:48:56:00:0a:01"} | {IP_OF[aet]: _hardware(IP_OF[aet]) for aet in ("HV_ROUTER", "HV_MWL", "HV_VNA")}
    for ip, hardware in known.items():
        rows.append(f"{ip:<24} ether   {hardware}   eth0")
    return Transcript("\n".join(rows))


@lesson.input
def planned(hospital):
    """Networks that are asked for the new outpatient building: a list of text."""
    draws = Draws(hospital.seed, "cpas-10 planned")
    inside = ("10.20.10.128/26", "10.20.20.64/27", "10.20.30.192/26", "10.20.50.128/25")
    around = ("10.20.8.0/22", "10.20.16.0/21", "10.20.28.0/22", "10.20.48.0/21")
    beside = ("10.20.12.0/23", "10.20.24.0/22", "10.20.44.0/22", "10.20.70.0/24")
    at_eastcliff = ("10.60.10.128/26", "10.60.8.0/22", "10.60.40.64/27", "10.60.40.0/22")
    beside_eastcliff = ("10.60.12.0/22", "10.60.30.0/24", "10.60.48.0/21", "10.60.20.0/24")
    among_the_films = ("10.20.40.96/27", "10.20.40.64/28", "10.20.40.80/28", "10.20.40.112/28")
    elsewhere = ("10.61.30.0/24", "10.61.10.0/24", "172.20.50.0/24", "10.40.20.0/24")
    chosen = ["10.20.40.128/25"]                        # beside the workstations' /26, although the third number is the same
    one, two, three, four = _shuffled(draws, list(range(4)))       # inside or around one in use, never both: they'd overlap each other
    chosen += [inside[one], inside[two], around[three], around[four]]
    for group in (beside, elsewhere, at_eastcliff, beside_eastcliff, among_the_films):
        chosen += [group[place] for place in draws.sample(range(len(group)), 1)]
    return _shuffled(draws, chosen)


@lesson.input
def existing(hospital):
    """The networks that are in use, at the hospital and at Eastcliff: a list of text."""
    return [*NETWORKS.values(), *AT_EASTCLIFF.values()]


UPLINK, LABEL_PRINTER = 24, "10.20.60.214"


def _dental(hospital):
    """Who hangs at which port of the dental clinic's switch: {role: port}."""
    draws = Draws(hospital.seed, "cpas-10 switch")
    ports = _shuffled(draws, draws.sample(range(2, 21), 6).tolist())
    return dict(zip(("intraoral", "panoramic", "camera", "printer", "office", "office 2"), ports)) | {"uplink": UPLINK}


@lesson.input
def arp_of_gateway(hospital):
    """Part of the ARP table of the modalities' gateway."""
    rows = ["rt-modalities> show arp network 10.20.30.0/24", "IP address       hardware address"]
    for aet in ("US_OB1", "IO_DENT1", "PX_DENT1", "XC_WOUND"):
        rows.append(f"{IP_OF[aet]:<16} {_hardware(IP_OF[aet])}")
    return Transcript("\n".join(rows))


@lesson.input
def switch_addresses(hospital):
    """The hardware addresses that the dental clinic's switch has learned, by port."""
    ports = _dental(hospital)

    learned = [
        (30, _hardware("10.20.30.71"), ports["intraoral"]), (30, _hardware("10.20.30.72"), ports["panoramic"]),
        (30, _hardware("10.20.30.73"), ports["camera"]), (60, _hardware(LABEL_PRINTER), ports["printer"]),
        (60, _hardware("10.20.60.71"), ports["office"]), (60, _hardware("10.20.60.72"), ports["office 2"]),
        (30, "02:48:56:00:1e:01", UPLINK), (60, "02:48:56:00:3c:01", UPLINK), (30, _hardware("10.20.30.65"), UPLINK),
    ]
    rows = ["sw-dental> show mac address-table", "VLAN  hardware address   port"]
    rows += [f"{vlan:>4}  {_dotted(address)}     gi1/0/{port}" for vlan, address, port in sorted(learned)]
    return Transcript("\n".join(rows))


def _dotted(address):
    """A hardware address as this switch writes it: 0248.5614.1e47."""
    digits = address.replace(":", "")
    return f"{digits[:4]}.{digits[4:8]}.{digits[8:]}"


def _port_of(ip, switch_addresses):
    """The port at which the switch has learned the hardware address of a host."""
    return next(row.split()[-1] for row in switch_addresses.text.splitlines() if f"{_dotted(_hardware(ip))} " in row)


@lesson.input
def switch_counters(hospital):
    """State and error counters of the switch's ports, a week's."""
    draws = Draws(hospital.seed, "cpas-10 counters")
    ports = _dental(hospital)
    many = draws.between([2100, 900, 5200, 300, 30000], [6900, 3000, 9800, 900, 90000], 5).tolist()
    state = {       # speed, duplex, frames sent, with a wrong check sum, collisions, late collisions, frames thrown away
        # To the intra-oral unit the switch sends little more than acknowledgements, which are too short to collide late.
        "intraoral": (100, "half (auto)", 31 * many[0], 0, many[0] + many[1], many[1] // 5, 0),
        "panoramic": (100, "full (auto)", 29 * many[1], 0, 0, 0, 0), "camera": (1000, "full (auto)", 17 * many[2], many[2], 0, 0, 0),
        "printer": (10, "half (auto)", 23 * many[3], 0, many[3], 0, 0), "office": (1000, "full (auto)", 37 * many[4], 0, 0, 0, 0),
        "office 2": (1000, "full (auto)", 41 * many[4], 2, 0, 0, 0),
        "uplink": (1000, "full (auto)", 107 * many[4], 0, 0, 0, many[4] // 100),
    }
    rows = ["sw-dental> show interfaces counters errors      (cleared 7 days ago)",
            "port      link  Mbit/s  duplex       wrong check sum  frames sent  collisions  of them late  thrown away"]
    for role, port in sorted(ports.items(), key=lambda one: one[1]):
        speed, duplex, sent, crc, collisions, late, dropped = state[role]
        rows.append(f"gi1/0/{port:<3} up    {speed:>6}  {duplex:<11} {crc:>16} {sent:>12} {collisions:>11} {late:>13} {dropped:>12}")
    return Transcript("\n".join(rows))


@lesson.input
def handshakes(hospital):
    """SYN and SYN, ACK segments that the core switch saw: a DataFrame."""
    import pandas as pd

    from coursekit.hospital import clock
    from coursekit.standards.pcap import ACK, SYN

    by_ip = lesson.input_of("names", hospital)
    rows = []
    for name in ("ct_mwl", "no_answer", "echo", "store", "commitment", "move"):
        for packet in _packets(hospital, name):
            if packet.tcp.flags & SYN:
                rows.append((packet.time, by_ip[packet.ip.source], packet.tcp.source_port, by_ip[packet.ip.target], packet.tcp.target_port,
                             "SYN, ACK" if packet.tcp.flags & ACK else "SYN"))
    rows.sort()
    return pd.DataFrame([(clock.text([row[0] // 1_000_000])[0], *row[1:]) for row in rows],
                        columns=["utc", "source", "source_port", "target", "target_port", "flags"])


@lesson.input
def segments(hospital):
    """How much of what the intra-oral unit sent on a bad day it had to send again: (segments with data, repeated ones)."""
    truth = hospital.capture("duplex").truth
    seen = [packet for packet in _packets(hospital, "duplex") if packet.payload and packet.ip.source == IP_OF["IO_DENT1"]]
    return len(seen), truth["facts"]["retransmissions"]


@lesson.input
def study(hospital):
    """The largest CT series that a scanner of the hospital has sent this year: a dict with `images` and `bytes`."""
    _, rows = hospital.pacs.rows(
        "SELECT n_instances, size_bytes FROM series WHERE modality = 'CT' AND station_aet IN ('CT_ER', 'CTER01', 'CT2') "
        "AND created_utc >= '2025-01-01' ORDER BY n_instances DESC, pk LIMIT 1")
    images, size = rows[0]
    return {"images": images, "bytes": size}


@lesson.input
def eastcliff(hospital):
    """The archive sends two images of a CT to Eastcliff's workstation: packets, captured beside the archive."""
    from coursekit.standards import pcap
    return pcap.packets(pcap.write(_far_scene(hospital).tap.frames()))


def _far_scene(hospital):
    """HV_PACS stores two CT images at a host that is 19 ms away and whose SYN, ACK has no window scale."""
    from coursekit.hospital import clock
    from coursekit.hospital.capture_stage import CT, EXPLICIT, IMPLICIT, Scene, data_set, image_data, latest_ct
    from coursekit.standards import pcap

    class FarTap(pcap.Tap):
        def delay(self, host):
            return away if host.name == EASTCLIFF[0] else super().delay(host)

        def ttl(self, host):
            return host.ttl - 7 if host.name == EASTCLIFF[0] else super().ttl(host)       # as many routers as a tracert shows

    class FarConnection(pcap.Connection):
        def offer(self, side):
            options = super().offer(side)       # without a window scale, for one side has none
            return options + b"\1\3\3\x08" if side == pcap.CLIENT else options

        def segment(self, side, data=b"", flags=pcap.ACK, **more):
            if flags == pcap.SYN:           # another window than the workstation's, so that nobody takes the one for the other unseen
                more["window"] = 29_200
            return super().segment(side, data, flags, **more)

    class FarScene(Scene):
        def connect(self, client, server, at, port=None):
            start = clock.seconds(at) * 1_000_000 + self.chance(10_000, 400_000)
            return FarConnection(self.tap, start, self.host(client), self.host(server), EASTCLIFF[2], self.port())

    scene = FarScene(hospital, "cpas-10 eastcliff")
    away = scene.chance(18_700, 19_700)         # µs from the sniffer, one way
    name, ip, port = EASTCLIFF
    scene.hosts[name] = pcap.Host(name, ip, _hardware(ip), sack=False, window=65_535)
    scene.entities[name] = ip, port
    scene.tap = FarTap("10.20.10", scene.chance)
    row = latest_ct(scene)
    talk = scene.call("HV_PACS", name, "2025-04-04 13:20:11", [(CT, (EXPLICIT, IMPLICIT))])
    talk.connection.think(scene.chance(30_000, 60_000))
    talk.accept()
    for uid, number, _ in row["instances"][:2]:
        talk.store(1, CT, uid, data_set(image_data(scene, row, CT, uid, number, 512)))
    talk.release()
    return scene


# --- the exercises

def _at(symptoms, changed):
    """The layers of the symptoms as a misconception has them: `changed` gives the layer from the right one and the text."""
    right = {text: number for number, text, _ in SYMPTOMS}
    return [{"symptom": name, "layer": changed(right[text], text)} for name, text in symptoms.items()]


@lesson.exercise
class LayerOfASymptom:
    """At which **layer** does each of the eight symptoms *show*: where does the first thing go wrong that you can see? (The cause may lie
    at another layer; asked is where it shows.)

    Give a dictionary: `layers = {"S1": 3, "S2": 1, ...}`, with all eight; or a table with the columns `symptom` and `layer`; or eight
    numbers in order. A layer is its number: 1, 2, 3, 4 or 7.
    """

    answer = Layers("layers", key=["symptom"], reading={"layer": layer})
    points = 2

    def solution(symptoms):
        layer_of = {
            "lamp": 1,                  # no signal arrives
            "fibre": 1,                 # light is too weak to be read as bits
            "wires": 1,                 # copper is broken
            "VLAN": 2,                  # a switch decides by it who hears whose frames
            "hardware address": 2,      # what frames go by
            "switches": 2,              # frames circle between them; no router is in the circle
            "mask": 3,                  # the border between network and host in an IP address
            "route": 3,                 # what routers go by
            "gateway": 3,               # an IP address
            "SYN": 4,                   # a flag of the TCP header
            "window": 4,                # a field of the TCP header
            "AE title": 7,              # inside the association request, which TCP has delivered
            "C-STORE": 7,               # a status that a program sent
            "presentation context": 7,  # DICOM's agreement on what is sent, and how
            "name server": 7,           # a program that is asked for an address
        }
        layers = {}
        for name, text in symptoms.items():
            for sign, number in layer_of.items():
                if sign in text:
                    layers[name] = number
        return layers               # or, once you know them, the eight numbers by hand

    def port_as_socket(symptoms):
        return _at(symptoms, lambda number, text: 1 if number == 4 and "port" in text else number)

    def title_as_address(symptoms):
        return _at(symptoms, lambda number, text: 4 if "AE title" in text else number)

    def vlan_as_network(symptoms):
        return _at(symptoms, lambda number, text: 3 if "VLAN" in text else number)

    def all_the_network(symptoms):
        return _at(symptoms, lambda number, text: 3 if number in (1, 2, 3) else number)

    def association_as_transport(symptoms):
        return _at(symptoms, lambda number, text: 4 if number == 7 else number)

    wrong_ways = {
        port_as_socket: "You put a TCP port among the sockets and cables. A TCP port is a number in the TCP header that "
        "says for which program a segment is; the port of a switch, where a cable goes in, is another thing with the same name.",
        title_as_address: "You put the AE title at the transport layer. For TCP it's part of the data: it was delivered, read by the "
        "archive's program, and refused by it. The connection itself stood.",
        vlan_as_network: "You put the VLAN at layer 3. A VLAN is a division that *switches* make: it decides which ports hear each other's "
        "frames. That a subnet of IP belongs to each is a habit, and a good one.",
        all_the_network: "You put everything below TCP at one layer. A cable, a switch port and a mask are put right by different people "
        "with different tools: that is what the lower three layers are for.",
        association_as_transport: "You put what DICOM and the name server say at the transport layer. When an answer of a *program* "
        "comes back, TCP has done its work.",
    }
    hints = [
        "Ask of each: what stands in the sentence that I can see? A lamp or a fibre, what a switch decides, an address or route, something "
        "of TCP, or the words of a program?",
        "A socket's lamp and light in a fibre: 1. What switches decide by hardware address and VLAN: 2. Mask, gateway, route: 3.",
        "SYN, RST, port numbers and windows stand in the TCP header: 4. AE titles, DIMSE status and names are inside the data: 7.",
    ]
    praise = "With the layer you know whom to phone: the cabling, the network department, the firewall's owner, or the vendor."


@lesson.exercise
class WhoseHardwareAddress:
    """Whose hardware address stands as the **source** in the Ethernet header of `frame`?

    Give the letter as `sender` and the address itself as `source_mac`, as text, as it stands in the frame.
    """

    answer = Choice(
        "sender, source_mac",
        options={
            "A": "The network card of the CT, from which the request comes.",
            "B": "The router, through which the request came into the servers' network.",
            "C": "The network card of the archive.",
            "D": "The switch to which the archive is plugged.",
        },
        evidence=HardwareAddress("source_mac"),
    )

    def solution(frame):
        return "B", frame[6:12].hex(":")

    def the_scanner(frame):
        return "A", _hardware(IP_OF["CTER01"])

    def the_archive(frame):
        return "C", frame[0:6].hex(":")

    def the_switch(frame):
        return "D", None

    def dicom_router(frame):
        return "B", _hardware(IP_OF["HV_ROUTER"])

    def first_six_bytes(frame):
        return "B", frame[0:6].hex(":")

    def one_byte_late(frame):
        return "B", frame[7:13].hex(":")

    def one_byte_early(frame):
        return "B", frame[5:11].hex(":")

    def on_the_scanner_s_side(frame):
        return "B", "02:48:56:00:1e:01"

    wrong_ways = {
        the_scanner: "The CT is in another network. Its own frames end at the router of that network, which takes the packet out and "
        "puts it into a new frame. The IP address of the sender survives that, the hardware address doesn't.",
        the_archive: "The archive is the *target* of this frame. In an Ethernet header the target comes first.",
        the_switch: "A switch passes frames on unchanged; its own address does not appear in them. Look the source up in the ARP table.",
        dicom_router: "That is the address of HV_ROUTER. It's a *DICOM* router: a program on a server that passes images on to other AE "
        "titles. The router of this question passes IP packets from network to network. And look which bytes stand in the frame.",
        first_six_bytes: "You have the right one in mind, but those six bytes are the target: in an Ethernet header the target comes "
        "first.",
        one_byte_early: "You started one byte too early. Offsets count from 0: six bytes of target are 0 to 5.",
        on_the_scanner_s_side: "That is the router's address in the *modalities'* network: it has one in each. The frame was captured "
        "beside the archive, and there it's the router's address in the servers' network that stands in it. Read it off the frame.",
        one_byte_late: "You started one byte too late. Offsets count from 0, and a slice `frame[a:b]` begins with the byte at offset a.",
    }
    hints = [
        "The Ethernet header: six bytes target, six bytes source, two bytes type.",
        '`frame[a:b].hex(":")` shows bytes as a hardware address. From which offset to which does the source stand?',
        "Whose it is, the ARP table of the archive tells. Which IP address belongs to it, and which system of the map has that address?",
    ]
    praise = "So a hardware address in a capture names the last neighbour, not the far end. Who looks for the CT's there looks in vain."


@lesson.exercise
class WhereDicomBegins:
    """At which **offset** in `frame` does the DICOM part begin, the association request?

    In decimal, or in hexadecimal with `0x` in front; counted from 0.
    """

    answer = Offset("dicom_at", named=("offset", "byte"))
    points = 2

    def solution(frame):
        ip_header = int(frame[14:15].hex()[1], 16) * 4              # of "45" the second digit, in groups of four bytes
        length_at = 14 + ip_header + 12                             # in the TCP header the byte that tells its length
        tcp_header = int(frame[length_at:length_at + 1].hex()[0], 16) * 4
        return 14 + ip_header + tcp_header

    def without_options(frame):
        return 14 + (frame[14] & 15) * 4 + 20

    def the_tcp_header(frame):
        return 14 + (frame[14] & 15) * 4

    def the_ip_header(frame):
        return 14

    def words_as_bytes(frame):
        return 14 + (frame[14] & 15) * 4 + (frame[46] >> 4)

    def without_ethernet(frame):
        return (frame[14] & 15) * 4 + (frame[46] >> 4) * 4

    def whole_byte(frame):
        return 14 + (frame[14] & 15) * 4 + frame[46]

    def counted_from_one(frame):
        return 14 + (frame[14] & 15) * 4 + (frame[46] >> 4) * 4 + 1

    def one_early(frame):
        return 14 + (frame[14] & 15) * 4 + (frame[46] >> 4) * 4 - 1

    def called_title(frame):
        return 14 + (frame[14] & 15) * 4 + (frame[46] >> 4) * 4 + 10

    def calling_title(frame):
        return 14 + (frame[14] & 15) * 4 + (frame[46] >> 4) * 4 + 26

    wrong_ways = {
        one_early: "There a byte of the TCP header's options stands. A header that begins at offset 14 and is 20 bytes long ends with "
        "offset 33; what follows it begins one further.",
        called_title: "There the called AE title begins. It's inside the DICOM part, but DICOM begins earlier: an association request has "
        "a type, a length and a version before its titles.",
        calling_title: "There the calling AE title begins. It's inside the DICOM part, but DICOM begins earlier: an association request "
        "has a type, a length and a version before its titles.",
        without_options: "You took the TCP header for 20 bytes long. So it was in the frame of WS_CH1; here options stand behind it, the "
        "time stamps. The header itself says how long it is.",
        the_tcp_header: "There the TCP header begins: you have Ethernet and IP behind you. DICOM begins behind the TCP header, which says "
        "itself how long it is.",
        the_ip_header: "There the IP header begins. Two headers come before DICOM still: that of IP and that of TCP.",
        words_as_bytes: "If you read these digits off the dump, they are hexadecimal: write `0x` in front of them. If you added up "
        "lengths: the digit that says how long the TCP header is counts groups of four bytes, not bytes.",
        without_ethernet: "You counted from the start of the IP header. The frame begins with the Ethernet header.",
        whole_byte: "You took the whole byte for the length. Only its first hexadecimal digit is the length, in groups of four bytes.",
        counted_from_one: "You counted from 1. Offsets count from 0: what follows a header of 14 bytes is at offset 14.",
    }
    hints = [
        "Three headers come before it: Ethernet, IP, TCP. Two of them say how long they are.",
        "The IP header begins at offset 14; its first byte is `45`. The TCP header follows; how long it is says the *first digit* of the "
        "byte 12 bytes after its beginning, which is `frame[46]`.",
        "Header lengths count groups of four bytes. Add the three lengths. In a dump, an association request begins with `01 00`.",
    ]
    praise = "There the called and the calling AE title follow; from here on it's what lesson cpas-14 reads."


class AskedOfText(Function):
    """A function in which one may forget that an address in quotes is text for `ipaddress`."""

    def judge(self, exercise, given, editions):
        """As for every Function; Python's complaint about text in a network is put into words."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label == "error" and "_version" in verdict.message:
            said = "`... in network` was asked of text. Make an address of it first: `ipaddress.ip_address(...)` around it."
            return Verdict(Outcome.NOT_YET, said, "error")
        return verdict


@lesson.exercise
class NextHop:
    """To which **IP address** does a host hand a packet: for whose hardware address will it ask by ARP?

    Write the function `next_hop(own, prefix, gateway, target)`: the host's own address, the length of its mask (24 for
    255.255.255.0), its default gateway, and the address to which the packet goes; all but `prefix` as text. It returns an address.
    """

    answer = AskedOfText("next_hop", result=Address("next_hop"))
    points = 2

    def solution(own, prefix, gateway, target):
        network = ipaddress.ip_network(f"{own}/{prefix}", strict=False)
        if ipaddress.ip_address(target) in network:
            return target
        return gateway

    def always_the_gateway(own, prefix, gateway, target):
        return gateway

    def always_the_target(own, prefix, gateway, target):
        return target

    def three_numbers(own, prefix, gateway, target):
        return target if own.rsplit(".", 1)[0] == target.rsplit(".", 1)[0] else gateway

    def turned_round(own, prefix, gateway, target):
        return gateway if ipaddress.ip_address(target) in ipaddress.ip_network(f"{own}/{prefix}", strict=False) else target

    def network_of_the_gateway(own, prefix, gateway, target):
        return target if ipaddress.ip_address(target) in ipaddress.ip_network(f"{gateway}/{prefix}", strict=False) else gateway

    def numbers_by_prefix(own, prefix, gateway, target):
        kept = prefix // 8
        return target if own.split(".")[:kept] == target.split(".")[:kept] else gateway

    def first_address_of_the_network(own, prefix, gateway, target):
        network = ipaddress.ip_network(f"{own}/{prefix}", strict=False)
        return target if ipaddress.ip_address(target) in network else str(network[1])

    def network_of_the_worked_cell(own, prefix, gateway, target):
        return target if ipaddress.ip_address(target) in ipaddress.ip_network("10.20.40.0/26") else gateway

    wrong_ways = {
        always_the_gateway: "You send everything to the gateway. A neighbour in the same network is reached directly, through switches "
        "alone. (If your function does ask for the network: is it made of `own` and `prefix`?)",
        first_address_of_the_network: "You take the first address of the network for the router. That is Harbour Vale's habit, and no "
        "rule: any host's address of the network may be the router's. Which one it is, the function is told: `gateway`.",
        network_of_the_worked_cell: "You ask about the network of the worked cell, 10.20.40.0/26, whoever sends. In the function the "
        "host's address and the length of its mask are called `own` and `prefix`.",
        always_the_target: "You hand everything to the target itself. ARP is a broadcast, and no router passes it on: a host of another "
        "network would never answer.",
        three_numbers: "You compare the first three numbers. That is right for a mask of 24 bits only; with 26 a network ends within the "
        "fourth number, with 22 within the third.",
        turned_round: "It's the other way round: inside the network directly, outside through the gateway.",
        network_of_the_gateway: "You made the network from the gateway's address. As long as that is right, it comes to the same; where "
        "somebody mistyped it, the host still finds its neighbours, because it asks by its *own* address and mask.",
        numbers_by_prefix: "You compare whole numbers, as many as fit into the mask. A mask may end inside a number, at any of its eight "
        "bits.",
    }
    hints = [
        "First find the network of the host, from its own address and the mask; then ask whether the target lies in it.",
        'The worked cell with `ipaddress` has both: how address and mask are glued together, `f"{address}/{length}"`, and the question '
        '`... in network`. In the function they are called `own` and `prefix`.',
        "Two ends: `if ipaddress.ip_address(target) in network:` return the one address, otherwise return the other.",
    ]
    praise = (
        "A wrong mask changes this decision, and the broadcast address. Too wide: hosts outside are looked for on the own wire, and are "
        "not found, unless a router answers in their place (proxy ARP). Too narrow: neighbours are reached by the detour of the gateway, "
        "which usually works, and so nobody notices."
    )

    def cases(draw):
        made = []
        places = [("10.20", prefix) for prefix in (16, 20, 22, 23, 24, 24, 25, 26, 26, 27, 28, 29, 30)]
        places += [("172.20", 15), ("172.20", 21), ("192.168", 20), ("192.168", 24)]
        for number, (start, prefix) in enumerate(places):
            inside = ipaddress.ip_network(f"{start}.{draw.randrange(8, 60)}.{draw.randrange(256)}/{prefix}", strict=False)
            # At Harbour Vale the router has a network's first address; elsewhere it has the last or any.
            size = inside.num_addresses
            gateway = (1, size - 2, draw.randrange(1, size - 1))[number % 3]
            halves = range(1, size // 2), range(size // 2, size - 1)
            hosts = []
            for half in halves:                                         # in a small network its edges too
                places = (half[0], half[-1], draw.choice(half)) if prefix >= 24 else (draw.choice(half), draw.choice(half))
                hosts += [place for place in draw.sample(places, len(places)) if place != gateway][:1]
            draw.shuffle(hosts)                                         # two, but one in a /30, beside the router
            beside = next(half for half in inside.supernet().subnets() if half != inside)       # what a mask a bit shorter takes in
            targets = [beside[draw.randrange(1, size - 1)], inside.network_address - draw.randrange(2, 60),
                       inside.broadcast_address + draw.randrange(2, 60), *(inside[place] for place in hosts[1:])]
            made += [(str(inside[hosts[0]]), prefix, str(inside[gateway]), str(target)) for target in targets]
        made.append(("10.20.40.11", 26, "10.20.40.1", f"10.20.40.{draw.randrange(64, 250)}"))
        made.append(("10.20.40.11", 26, "10.20.40.1", f"10.20.40.{draw.randrange(12, 63)}"))
        made.append(("10.20.40.11", 26, "10.20.40.62", "10.20.10.10"))
        made.append(("10.20.9.20", 22, "10.20.8.1", f"10.20.11.{draw.randrange(2, 250)}"))
        made.append(("10.20.18.170", 26, "10.20.18.190", "10.20.18.17"))       # its digits begin several addresses of the network
        # A gateway that was mistyped, and a neighbour.
        made.append(("10.20.40.13", 26, "10.20.41.1", f"10.20.40.{draw.randrange(14, 63)}"))
        return made


@lesson.exercise
class NetworksThatCollide:
    """Which of the networks in `planned` **must not** be given out, because they share addresses with one in `existing`?

    Answer with a list of them, as text, in any order.
    """

    answer = Networks("collide", reading=network)
    points = 2

    def solution(planned, existing):
        sharing = []
        for new in planned:
            for old in existing:
                if ipaddress.ip_network(new).overlaps(ipaddress.ip_network(old)):
                    sharing.append(new)
        return sharing

    def third_number(planned, existing):
        return [new for new in planned if new.split(".")[2] in {old.split(".")[2] for old in existing}]

    def three_numbers(planned, existing):
        return [new for new in planned if new.rsplit(".", 1)[0] in {old.rsplit(".", 1)[0] for old in existing}]

    def begins_inside(planned, existing):
        return [new for new in planned
                if any(ipaddress.ip_network(new).network_address in ipaddress.ip_network(old) for old in existing)]

    def contains_one(planned, existing):
        return [new for new in planned
                if any(ipaddress.ip_network(old).network_address in ipaddress.ip_network(new) for old in existing)]

    def those_in_use(planned, existing):
        hit = [ipaddress.ip_network(new) for new in NetworksThatCollide.solution(planned, existing)]
        return [old for old in existing if any(ipaddress.ip_network(old).overlaps(new) for new in hit)]

    def all_in_use(planned, existing):
        return list(existing)

    def without_eastcliff(planned, existing):
        return NetworksThatCollide.solution(planned, [old for old in existing if not old.startswith("10.60.")])

    def with_whole_24s(planned, existing):
        return NetworksThatCollide.solution(planned, [old for old in existing if old.endswith("/24")])

    def those_that_are_free(planned, existing):
        return [new for new in planned if new not in NetworksThatCollide.solution(planned, existing)]

    wrong_ways = {
        third_number: "You went by the third number. It's one of four: 10.61.30.0 and 10.20.30.0 share nothing. And a mask shorter than "
        "24 bits covers several third numbers.",
        three_numbers: "You compared the first three numbers, as if each mask had 24 bits. A shorter mask reaches over neighbours with "
        "other third numbers; a longer one leaves room beside it.",
        begins_inside: "You have those that begin inside a network in use. A wide one may begin before it and reach over it.",
        contains_one: "You have those that contain the beginning of a network in use. A small one may lie within it, further back.",
        those_in_use: "Those are the networks in use that are hit. Asked is the other side: which of the `planned` ones must not be given "
        "out?",
        without_eastcliff: "You have those that collide in the house. At the end of `existing` stand the networks of Eastcliff: the "
        "provider's line joins them to the house, so an address must not be in both places.",
        with_whole_24s: "You have those that collide with a /24. In `existing` are smaller networks as well, two of 64 addresses each: "
        "a planned one may lie in one of them.",
        all_in_use: "Those are the networks in use. Asked is which of the `planned` ones share addresses with them.",
        those_that_are_free: "Those are the ones that are free. Asked are the others.",
    }
    hints = [
        "Two networks collide when any address lies in both. The number behind the slash says how far each reaches.",
        "Try one pair first: `ipaddress.ip_network(a).overlaps(ipaddress.ip_network(b))` says True or False.",
        "Two loops, one inside the other: for each `new` in `planned` and each `old` in `existing`; where they overlap, take `new`.",
    ]
    praise = "A network that is given out twice is not found on the day it's set up, but when somebody in one needs a host in the other."


@lesson.exercise
class WhatSlowsTheBitewings:
    """What is wrong, and at **which port** of the switch?

    Give the letter as `fault` and as `port` the port at which IO_DENT1 is plugged in, as the switch writes it.
    """

    answer = Choice(
        "fault, port",
        options={
            "A": "The cable is damaged: frames arrive with a wrong check sum.",
            "B": "Duplex mismatch: one end sends whenever it likes, the other takes that for collisions.",
            "C": "The link is overloaded: frames are thrown away.",
            "D": "The port is in the wrong VLAN.",
            "E": "The port is set to 10 Mbit/s.",
        },
        evidence=Text("port", reading=switch_port),
    )
    points = 2

    def solution(switch_addresses):
        # In the gateway's table 10.20.30.71 has 02:48:56:14:1e:47; the switch writes that 0248.5614.1e47.
        for row in switch_addresses.text.splitlines():
            if "0248.5614.1e47" in row:
                port = row.split()[-1]                  # the last word of the row; or read it off and type it
        # That port runs at half duplex and counts late collisions; the unit is fixed to full.
        return "B", port

    def cable(switch_addresses):
        return "A", _port_of("10.20.30.73", switch_addresses)

    def overloaded(switch_addresses):
        return "C", f"gi1/0/{UPLINK}"

    def wrong_vlan(switch_addresses):
        return "D", None

    def slow(switch_addresses):
        return "E", _port_of(LABEL_PRINTER, switch_addresses)

    def neighbour(switch_addresses):
        return "B", _port_of("10.20.30.72", switch_addresses)

    def uplink(switch_addresses):
        return "B", f"gi1/0/{UPLINK}"

    def printer(switch_addresses):
        return "B", _port_of(LABEL_PRINTER, switch_addresses)

    def camera(switch_addresses):
        return "B", _port_of("10.20.30.73", switch_addresses)

    def office(switch_addresses):
        return "B", _port_of("10.20.60.71", switch_addresses)

    def other_office(switch_addresses):
        return "B", _port_of("10.20.60.72", switch_addresses)

    wrong_ways = {
        office: "The fault is named right, but not the port. The hardware address there ends in the same two digits; the two before them "
        "differ, and it's in VLAN 60, the offices'. Its counters show no collision either.",
        other_office: "The fault is named right, but that port is in VLAN 60, the offices', and counts no collision. Two wrong check "
        "sums in a week are nothing to worry about.",
        cable: "There is a port with wrong check sums, and it's worth a new cable; but look whose hardware address is learned there. At "
        "the intra-oral unit's port the column is 0.",
        overloaded: "At the uplink some hundred frames of millions were thrown away in a week: less than one in ten thousand, and of every "
        "device's. The intra-oral unit had to repeat nearly a fifth. What does its own port say?",
        wrong_vlan: "In the wrong VLAN it would reach nothing at all. It reaches the archive, slowly; and the table has its address in "
        "VLAN 30.",
        slow: "The port at 10 Mbit/s belongs to another device. Follow the address: IP address, hardware address, port.",
        neighbour: "The fault is named right, but that's the port of the panoramic unit: its hardware address differs in the last digit.",
        uplink: "The fault is named right, but that's the uplink. There the switch learns the addresses of everything beyond it, such as "
        "the gateway's.",
        printer: "The fault is named right, but not the port. There are collisions at that one, and none of them late: that is how half "
        "duplex works, when both ends know of it. And it's not the intra-oral unit.",
        camera: "The fault is named right, but that port has wrong check sums and no collisions, and another device hangs there.",
    }
    hints = [
        "Three steps: the IP address of IO_DENT1 gives its hardware address in the gateway's table; that gives the port in the switch's "
        "table; the port gives the counters.",
        "The switch writes hardware addresses in three groups of four digits. The digits are the same: compare the last four.",
        "The service sheet says what the device's end is set to. What does `duplex` say at the switch's end, and which counter grows "
        "where the two disagree?",
    ]
    praise = "Both ends to automatic, or both fixed to the same: one setting, and the bitewings take seconds."


def _rules(rows, source, target, port):
    """Rules from rows of handshakes, each column of the rules from the one that is named."""
    rules = rows[[source, target, port]].drop_duplicates(ignore_index=True)
    return rules.set_axis(["source", "target", "port"], axis=1)


@lesson.exercise
class RulesOfTheFirewall:
    """From Friday the firewall between modalities, workstations and servers lets nothing through that has no rule. Which **rules**
    does it need, so that every connection in `handshakes` that really came about works then too?

    A rule says: who may open a connection, to whom, to which port. Give a table with the columns `source`, `target` and `port`, a row
    for each rule, no rule twice; or type them, as shown above, or as text with one rule a line. Each rule names one host as its source
    and one as its target, by name or by IP address. The firewall is stateful: answers to a permitted connection pass by themselves.
    """

    answer = Rules("rules", key=["source", "target", "port"], reading={"source": host, "target": host, "port": tcp_port})
    points = 2

    def solution(handshakes):
        answers = handshakes[handshakes["flags"] == "SYN, ACK"]
        # Whoever answers a SYN is the target of the rule, and the port from which it answers is the rule's port.
        rules = answers[["target", "source", "source_port"]].drop_duplicates(ignore_index=True)
        return rules.rename(columns={"target": "source", "source": "target", "source_port": "port"})

    def answers_too(handshakes):
        return _rules(handshakes[handshakes["target_port"] != 7070], "source", "target", "target_port")

    def ports_of_the_client(handshakes):
        return _rules(handshakes[handshakes["flags"] == "SYN, ACK"], "target", "source", "target_port")

    def servers_only(handshakes):
        answers = handshakes[handshakes["flags"] == "SYN, ACK"]
        return _rules(answers[answers["source"].str.startswith("HV_")], "target", "source", "source_port")

    def every_syn(handshakes):
        return _rules(handshakes[handshakes["flags"] == "SYN"], "source", "target", "target_port")

    def without_the_worklist(handshakes):
        answers = handshakes[handshakes["flags"] == "SYN, ACK"]
        return _rules(answers[answers["source"] != "HV_MWL"], "target", "source", "source_port")

    def without_the_commitment(handshakes):
        rules = RulesOfTheFirewall.solution(handshakes)
        return rules[(rules["source"] != "HV_PACS") | (rules["target"] != "CTER01")].reset_index(drop=True)

    def without_the_move(handshakes):
        rules = RulesOfTheFirewall.solution(handshakes)
        return rules[(rules["source"] != "HV_PACS") | (rules["target"] != "WS_CH1")].reset_index(drop=True)

    def guessed_for_the_new_one(handshakes):
        right = RulesOfTheFirewall.solution(handshakes).to_dict("records")
        return [*right, {"source": "WS_ED1", "target": "HV_PACS", "port": 11112}]

    def the_wrong_way_round(handshakes):
        return _rules(handshakes[handshakes["flags"] == "SYN, ACK"], "source", "target", "source_port")

    wrong_ways = {
        answers_too: "You have rules for the answers as well, the rows with SYN, ACK. A stateful firewall remembers who opened a "
        "connection and lets the answers pass; such rules only leave doors open that nobody needs.",
        ports_of_the_client: "Your ports are those of the clients. The client's system draws a new one for each connection; what stays "
        "is the port at which the server listens.",
        servers_only: "You only let connections in towards the servers. But the archive calls back: it opens a connection of its own to "
        "send images after a C-MOVE, and to report that it has committed to storage. Those are connections from the archive to the device.",
        every_syn: "You have a rule for a SYN that nobody answered. That connection never came about: the port is wrong, and a rule for "
        "it would cover the mistake.",
        without_the_worklist: "You left out the worklist server. Its *program* refused the association; the TCP connection was there, "
        "and the scanner needs it as soon as the AE title is put right.",
        without_the_commitment: "One of the connections that the archive opens is missing: the one in which it reports to a modality that "
        "it has committed to storage. Without it the scanner waits for ever, and deletes nothing.",
        without_the_move: "One of the connections that the archive opens is missing: the one in which it sends images to a workstation "
        "after a C-MOVE. The query would be answered, and no image would come.",
        guessed_for_the_new_one: "You have a rule for WS_ED1 to a port that none of its segments went to. None of its SYNs was answered, "
        "so no connection of it came about. It will need a rule once it is set right; asked are those that came about.",
        the_wrong_way_round: "Your rules stand on their heads: source is who sends the SYN.",
    }
    hints = [
        "Only a SYN that is answered by SYN, ACK came about. Find the pairs; the same pair on another day needs no second rule.",
        "In a row with SYN, the source is who opens and `target_port` is where the server listens. In a row with SYN, ACK it's the other "
        "way round; but those rows are the ones that came about.",
        "Do not forget the connections that the archive itself opens. You may type the rows: "
        '`rules = [("...", "...", ...), ...]`, source, target and port, as in the cell above.',
    ]
    praise = (
        "The connections that the archive opens are the ones that get forgotten: with them missing, every test is green and no image "
        "comes. But a list of some days is a beginning only. It does not show what is rare or was not recorded: HV_ROUTER and HV_VNA, "
        "HL7, DNS, time, the audit log. And WS_ED1 would stay dark from Friday on. Let the firewall first *log* for some weeks what it "
        "would refuse."
    )


@lesson.exercise
class SecondsOnTheLine:
    """Write the function `seconds(megabytes, mbit)`: how long do that many megabytes (MB, millions of bytes) of images take on an
    Ethernet line of `mbit` Mbit/s that nobody else uses and that is the only brake?

    Count the overhead: full frames, no TCP options. Two decimals are enough.
    """

    answer = Function("seconds", result=Rounded("seconds", unit="s", within=0.001))
    points = 2

    def solution(megabytes, mbit):
        return megabytes * 8 / mbit * 1538 / 1460

    def divided_by_eight(megabytes, mbit):
        return megabytes / 8 / mbit * 1538 / 1460

    def divided_by_eight_alone(megabytes, mbit):
        return megabytes / 8 / mbit

    def preamble_and_gap(megabytes, mbit):
        return megabytes * 8 / mbit * 1518 / 1460

    def frame_as_captured(megabytes, mbit):
        return megabytes * 8 / mbit * 1514 / 1460

    def gap_forgotten(megabytes, mbit):
        return megabytes * 8 / mbit * 1526 / 1460

    def preamble_forgotten(megabytes, mbit):
        return megabytes * 8 / mbit * 1530 / 1460

    def only_inside(megabytes, mbit):
        return megabytes * 8 / mbit * 1500 / 1460

    def bytes_for_bits(megabytes, mbit):
        return megabytes / mbit * 1538 / 1460

    def a_bare_quotient(megabytes, mbit):
        return megabytes / mbit

    def no_overhead(megabytes, mbit):
        return megabytes * 8 / mbit

    def binary_megabytes(megabytes, mbit):
        return megabytes * 1024 * 1024 * 8 / (mbit * 1_000_000) * 1538 / 1460

    def overhead_turned_round(megabytes, mbit):
        return megabytes * 8 / mbit * 1460 / 1538

    def headers_forgotten(megabytes, mbit):
        return megabytes * 8 / mbit * 1538 / 1500

    wrong_ways = {
        divided_by_eight: "You divided by eight. From bytes to bits the number grows: 1 MB is 8 Mbit.",
        divided_by_eight_alone: "You divided by eight, but from bytes to bits the number grows: 1 MB is 8 Mbit. And the overhead is "
        "missing.",
        preamble_and_gap: "You took 1,518 bytes for a frame: that is header, data and check sequence. Before each frame goes a preamble, "
        "after it a gap, and the line carries nothing else meanwhile.",
        frame_as_captured: "You took 1,514 bytes for a frame, as a capture shows it. On the wire there are also the preamble, the check "
        "sequence and the gap.",
        gap_forgotten: "You left out the gap before the next frame: nothing is sent in it, but it takes its time.",
        preamble_forgotten: "You left out the preamble, by which the receiver falls into step: it takes its time as well.",
        only_inside: "You counted the headers of IP and TCP, and nothing of what Ethernet adds around them.",
        bytes_for_bits: "You divided bytes by bits. A line of 100 Mbit/s carries 12.5 million bytes in a second: a byte has eight bits.",
        a_bare_quotient: "You divided megabytes by megabits. A byte has eight bits; and beside the images the wire carries headers and "
        "gaps, which take time as well.",
        no_overhead: "That is the time for the images alone. Each frame also carries headers, and gaps lie between the frames.",
        binary_megabytes: "You took a megabyte for 1,048,576 bytes. MB is a million; that other unit is MiB. Lines count in millions as "
        "well.",
        overhead_turned_round: "The overhead makes it longer, not shorter: 1,460 bytes of the image need 1,538 on the wire.",
        headers_forgotten: "You counted what Ethernet adds, but took all 1,500 bytes inside for image. The IP and the TCP header take 20 "
        "each of them.",
    }
    hints = [
        "Bits first: how many bits are the megabytes? Then how many the wire carries in a second.",
        "On the wire, for every 1,460 bytes of the image 1,538 bytes go by.",
        "megabytes x 8 / mbit, times what goes by for each byte of the image.",
    ]
    praise = "Of a line's bits about 95 in a hundred carry image. What a transfer takes beyond that has another reason."

    def cases(draw):
        lines = (1.544, 10, 50, 100, 300, 1000, 10_000)
        sizes = [0.526 * draw.randrange(40, 1500) for _ in range(7)] + [draw.randrange(8, 60) for _ in range(4)] + [800]
        return [(round(size, 3), draw.choice(lines)) for size in sizes]


def _images_sent(packets):
    """Of each image in the capture: (bytes sent, seconds from the first to the last of them, seconds until the C-STORE response)."""
    from coursekit.figures.packets import contents

    carried = contents(packets)
    found = []
    for packet in packets:
        said = carried.get(packet.number, [])
        if "C-STORE-RQ" in said:
            begin, sent = packet.time, []
        if "C-STORE-RSP" in said:
            found.append((sum(len(one.payload) for one in sent), (sent[-1].time - begin) / 1e6, (packet.time - begin) / 1e6))
        elif packet.payload and packet.source == packets[0].source and packet.number > 5:
            sent.append(packet)
    return found


def _measured(packets):
    """The rates that one may take from the capture, in Mbit/s, by the wrong way that tells of each."""
    (size, sending, until), (second, sending_it, until_then) = _images_sent(packets)
    rates = {
        "measured": [(size + second, until + until_then), (size, until), (second, until_then)],
        "measured_of_the_first": [(size, sending), (size + second, until + sending_it)],
        "measured_without_the_wait": [(size + second, sending + sending_it), (second, sending_it)],
    }
    return {name: [sent * 8 / took / 1_000_000 for sent, took in found] for name, found in rates.items()}


@lesson.exercise
class OneConnectionAtMost:
    """How much can **one connection** to Eastcliff carry **at most**, with the window that its workstation offers? Take the window from
    the handshake in the listing, and the round trip too. In Mbit/s, of the TCP data.

    To half a Mbit/s is enough.
    """

    answer = Rate("at_most", unit="Mbit/s", tolerance=0.5)
    points = 2

    def solution(eastcliff):
        window = 65_535                                                     # `Win=` in the row of the SYN, ACK; it has no `WS=`
        milliseconds = (eastcliff[1].time - eastcliff[0].time) / 1000       # from frame 1 to frame 2; or typed from the listing
        return window * 8 / milliseconds / 1000

    def one_way(eastcliff):
        return eastcliff[1].tcp.window * 8 / (eastcliff[1].time - eastcliff[0].time) * 2

    def megabytes(eastcliff):
        return eastcliff[1].tcp.window / (eastcliff[1].time - eastcliff[0].time)

    def own_answer(eastcliff):
        return eastcliff[1].tcp.window * 8 / (eastcliff[2].time - eastcliff[1].time)

    def of_the_association(eastcliff):
        answer = next(packet for packet in eastcliff if packet.payload and packet.source == eastcliff[0].target)
        request = next(packet for packet in eastcliff if packet.payload)
        return eastcliff[1].tcp.window * 8 / (answer.time - request.time)

    def one_segment(eastcliff):
        return 1460 * 8 / (eastcliff[1].time - eastcliff[0].time)

    def the_line(eastcliff):
        return LINE

    def data_of_the_line(eastcliff):
        return LINE * 1460 / 1538

    def in_gigabits(eastcliff):
        return OneConnectionAtMost.solution(eastcliff) / 1000

    def in_bits(eastcliff):
        return eastcliff[1].tcp.window * 8 / (eastcliff[1].time - eastcliff[0].time) * 1_000_000

    def milliseconds_as_seconds(eastcliff):
        return eastcliff[1].tcp.window * 8 / (eastcliff[1].time - eastcliff[0].time) * 1000

    def bytes_a_millisecond(eastcliff):
        return eastcliff[1].tcp.window / (eastcliff[1].time - eastcliff[0].time) * 1000

    def scaled_all_the_same(eastcliff):
        return eastcliff[1].tcp.window * 256 * 8 / (eastcliff[1].time - eastcliff[0].time)

    def the_sender_s_own_window(eastcliff):
        return eastcliff[0].tcp.window * 8 / (eastcliff[1].time - eastcliff[0].time)

    def headers_taken_off(eastcliff):
        return OneConnectionAtMost.solution(eastcliff) * 1460 / 1538

    def headers_put_on(eastcliff):
        return OneConnectionAtMost.solution(eastcliff) * 1538 / 1460

    def measured(eastcliff):
        return _measured(eastcliff)["measured"][0]

    def measured_of_the_first(eastcliff):
        return _measured(eastcliff)["measured_of_the_first"][0]

    def measured_without_the_wait(eastcliff):
        return _measured(eastcliff)["measured_without_the_wait"][0]

    wrong_ways = {
        the_sender_s_own_window: "You took the window in the row of the SYN. That is how much the *archive* has room for; the images "
        "go the other way, and how much the workstation has room for stands in *its* row.",
        headers_taken_off: "You took headers off the window. It counts bytes of TCP data already, and those are asked: there is nothing to "
        "take off.",
        headers_put_on: "You put headers on. Asked is the TCP data, and the window counts just that.",
        measured: "That is what was *measured* in the capture, bytes by time. In it lie the careful start and the wait for each C-STORE "
        "response. Asked is what a connection can carry *at most*.",
        measured_of_the_first: "That is what was *measured* in the capture, bytes by time. In it lies TCP's careful start, and, if you "
        "took both images, the wait between them. Asked is what a connection can carry *at most*.",
        measured_without_the_wait: "That is what was *measured* while the images were sent, the slope of the stairs. The careful start and "
        "pauses of the sender are in it. Asked is what a connection can carry *at most*.",
        one_way: "You took half the round trip. The sender has to wait for the acknowledgement to come *back*: the way there and the way "
        "back both count.",
        megabytes: "That is in megabytes a second. A byte has eight bits.",
        own_answer: "You took the time between SYN, ACK and ACK. Both are seen beside the archive: that is how quickly the archive "
        "itself reacts. The round trip is from what goes out to what comes back.",
        of_the_association: "You took the time from the association request to its answer. In it lies what the workstation's *program* "
        "needed. The handshake is answered by the operating system at once: it shows the way alone.",
        one_segment: "You let one segment go per round trip. As many may be under way as fit into the receiver's window.",
        the_line: "That is what the line could carry. One connection may have no more under way than a window, and then waits for a "
        "round trip.",
        data_of_the_line: "That is what the line could carry of data, its headers and gaps taken off. One connection may have no more "
        "under way than a window, and then waits for a round trip.",
        in_gigabits: "That is in gigabits a second. Asked are megabits: a Gbit/s is a thousand of them.",
        in_bits: "That is in bits a second. A Mbit/s is a million of them.",
        milliseconds_as_seconds: "That is a thousand times too much: bits per *millisecond* are kbit/s. The listing shows milliseconds.",
        bytes_a_millisecond: "You divided the bytes of the window by milliseconds. Asked are megabits a second: bytes into bits, "
        "milliseconds into seconds, and a million bits are one Mbit.",
        scaled_all_the_same: "You multiplied the window by the archive's factor. Scaling holds only if *both* ends offer it in their SYN "
        "(RFC 7323): look at the second row again.",
    }
    hints = [
        "One window per round trip: window / round trip. The window in bytes, the round trip in seconds, and then into bits.",
        "The capture was taken beside the archive. The SYN goes out in frame 1, the SYN, ACK comes back in frame 2: the time between "
        "them is the round trip.",
        "window x 8 / round trip in ms / 1000 gives Mbit/s. Which `Win=` does the row of the SYN, ACK show, and is there a `WS=`?",
    ]
    praise = "Hence the picture: a burst, a pause, a burst. The line is idle most of the time, and the network department's graph is right."


def _seconds(study, rtt, line=LINE, window=65_535, associations=1, wait=None, bits=8):
    """How long a study takes: each image at the smaller of the two rates, and then the wait for its answer."""
    rate = min(line * 1_000_000 * 1460 / 1538, window * bits / rtt)
    image = study["bytes"] / study["images"] * 8 / rate + (rtt + SERVER_WAIT if wait is None else wait)
    return image * study["images"] / associations


PLANS = {
    "now": {}, "line 10 Gbit/s": {"line": 10_000}, "window 256 KiB": {"window": 256 * 1024}, "four associations": {"associations": 4},
}


def _four(study, rtt, **more):
    """The four rows of the last exercise, with what a misconception changes."""
    return {plan: _seconds(study, rtt, **{**change, **more}) for plan, change in PLANS.items()}


@lesson.input
def round_trip(hospital):
    """The round trip to Eastcliff as the last exercise takes it, in seconds: whole tenths of a millisecond."""
    packets = lesson.input_of("eastcliff", hospital)
    return round((packets[1].time - packets[0].time) / 1_000_000, 4)


@lesson.exercise
class WhatWouldHelpEastcliff:
    """How many **seconds** does `study` take to Eastcliff: as things are, and with each of the three measures on the table?

    | row | line | window | associations |
    |---|---|---|---|
    | `now` | 1 Gbit/s | 65,535 bytes | 1 |
    | `line 10 Gbit/s` | 10 Gbit/s | 65,535 bytes | 1 |
    | `window 256 KiB` | 1 Gbit/s | 262,144 bytes | 1 |
    | `four associations` | 1 Gbit/s | 65,535 bytes each | 4 at the same time, each with a quarter of the images |

    Take `round_trip`, and 25 ms that the workstation needs for each image. Four associations wait at the same time, each for its own
    image: the workstation works on four. Give a table with the columns `measure` and `seconds`, or shorter:
    `plan = {"now": ..., "line 10 Gbit/s": ..., "window 256 KiB": ..., "four associations": ...}`. To a second is enough.
    """

    answer = Plan("plan")
    points = 3

    def solution(study, round_trip):
        images = study["images"]
        bits = study["bytes"] / images * 8
        line = 1_000_000_000 * 1460 / 1538
        window = 65_535 * 8 / round_trip
        wait = round_trip + 0.025
        now = (bits / min(line, window) + wait) * images
        return {
            "now": now,
            "line 10 Gbit/s": (bits / min(10 * line, window) + wait) * images,
            "window 256 KiB": (bits / min(line, 262_144 * 8 / round_trip) + wait) * images,
            "four associations": now / 4,
        }

    def ten_times_the_line(study, round_trip):
        right = _four(study, round_trip)
        return right | {"line 10 Gbit/s": right["now"] / 10}

    def no_waiting(study, round_trip):
        return _four(study, round_trip, wait=0)

    def without_the_receiver(study, round_trip):
        return _four(study, round_trip, wait=round_trip)

    def without_the_answer_s_way(study, round_trip):
        return _four(study, round_trip, wait=SERVER_WAIT)

    def line_alone(study, round_trip):
        return _four(study, round_trip, window=10**12)

    def line_and_nothing_else(study, round_trip):
        return _four(study, round_trip, window=10**12, wait=0)

    def one_way(study, round_trip):
        return _four(study, round_trip / 2, wait=round_trip + SERVER_WAIT)

    def window_in_bits(study, round_trip):
        return _four(study, round_trip, bits=1)

    def image_in_bytes(study, round_trip):
        return _four(study | {"bytes": study["bytes"] / 8}, round_trip)

    def headers_taken_off(study, round_trip):
        return _four(study, round_trip * 1538 / 1460, wait=round_trip + SERVER_WAIT)

    def half_the_trip_in_the_wait(study, round_trip):
        return _four(study, round_trip, wait=round_trip / 2 + SERVER_WAIT)

    def two_trips_in_the_wait(study, round_trip):
        return _four(study, round_trip, wait=2 * round_trip + SERVER_WAIT)

    def whole_windows(study, round_trip):
        size = study["bytes"] / study["images"]
        now = (-(-size // 65_535) * round_trip + round_trip + SERVER_WAIT) * study["images"]
        return _four(study, round_trip) | {"now": now, "line 10 Gbit/s": now, "four associations": now / 4}

    def waits_one_after_the_other(study, round_trip):
        right = _four(study, round_trip)
        waits = (round_trip + SERVER_WAIT) * study["images"]
        return right | {"four associations": (right["now"] - waits) / 4 + waits}

    def one_window_for_four(study, round_trip):
        right = _four(study, round_trip)
        waits = (round_trip + SERVER_WAIT) * study["images"]
        return right | {"four associations": right["now"] - waits + waits / 4}

    def in_milliseconds(study, round_trip):
        return {name: value * 1000 for name, value in _four(study, round_trip).items()}

    def in_minutes(study, round_trip):
        return {name: value / 60 for name, value in _four(study, round_trip).items()}

    def one_image(study, round_trip):
        return {name: value / study["images"] for name, value in _four(study, round_trip).items()}

    def window_four_times(study, round_trip):
        right = _four(study, round_trip)
        return right | {"window 256 KiB": right["now"] / 4}

    def one_image_at_a_time(study, round_trip):
        right = _four(study, round_trip)
        served = SERVER_WAIT * study["images"]
        return right | {"four associations": (right["now"] - served) / 4 + served}

    def four_as_now(study, round_trip):
        right = _four(study, round_trip)
        return right | {"four associations": right["now"]}

    def as_measured(study, round_trip, eastcliff):
        images = _images_sent(eastcliff)
        seen = sum(until for _, _, until in images) / len(images) * study["images"]
        return _four(study, round_trip) | {"now": seen, "line 10 Gbit/s": seen, "four associations": seen / 4}

    wrong_ways = {
        ten_times_the_line: "You made the faster line ten times as quick. The smaller of the two rates holds, and the smaller one is not "
        "the line's: the window and the distance set it. They don't change when the line is exchanged.",
        no_waiting: "You counted the bytes only. After each image the archive waits for the C-STORE response, a round trip and the 25 "
        "ms, before it sends the next.",
        without_the_receiver: "You have the bytes and the round trip of each response, but not the 25 ms that the workstation needs for "
        "each image.",
        without_the_answer_s_way: "You have the bytes and the workstation's 25 ms, but in the wait not the round trip to Eastcliff, "
        "which each response takes as well.",
        line_alone: "Your rate is that of the line. Over the round trip to Eastcliff one connection carries less: window x 8 / "
        "`round_trip`. The smaller of the two holds.",
        line_and_nothing_else: "That is what the line alone would need. One connection can't carry as much, and after each image it waits.",
        one_way: "For the window's rate you took half the round trip. An acknowledgement has to come back.",
        window_in_bits: "You divided the window by the round trip and took the result for bits. The window is in bytes.",
        image_in_bytes: "The bytes of an image are still bytes, and the rate is in bits a second. A byte has eight bits.",
        headers_taken_off: "You took headers off the window. It counts bytes of data already; only of the line's bits a part is headers.",
        half_the_trip_in_the_wait: "In the wait you have half a round trip. The archive waits from its last byte until the response is "
        "there: that byte's way there and the response's way back.",
        two_trips_in_the_wait: "In the wait you have two round trips. It's one: the last byte's way there, the response's way back.",
        whole_windows: "You let an image take so many whole windows. The last one is not full, and takes no longer than its bytes do: bits "
        "of an image / rate.",
        waits_one_after_the_other: "Only the sending is quartered in yours, as a window four times as large would do it. Four associations "
        "also *wait* side by side, each for its own image.",
        one_window_for_four: "You let the four share one window. Each connection has one of its own.",
        in_milliseconds: "Those are milliseconds. They are right as such, but asked are seconds.",
        in_minutes: "Those are minutes. They are right as such, but asked are seconds.",
        one_image: "That is the time of one image. Asked is the whole study.",
        window_four_times: "You divided the time by four, as the window is four times as large. The bytes go four times as fast; the wait "
        "after each image, a round trip and 25 ms, stays.",
        one_image_at_a_time: "You let the workstation put one image away after the other, 25 ms each. It works on four at the same time, "
        "one of each association: their 25 ms pass together.",
        four_as_now: "You gave four associations the time of one. Each has its own window and sends a quarter of the images; they go at "
        "the same time, and the line has room for them.",
        as_measured: "So long it would take at the rate of the capture. In it lie the careful start of the connection and what the "
        "workstation needed that day. For measures that can be compared, reckon with the formula, `round_trip` and 25 ms.",
    }
    hints = [
        "Begin with `now`, in the worked cell: which of its numbers is different for Eastcliff? Then change one thing a row. You may run "
        "that cell once for each row and type what it prints.",
        "For each row: the smaller of the line's rate and window x 8 / round trip. Then bits of an image / rate, plus round trip, plus "
        "0.025; that times the number of images.",
        "For the four associations divide by 4: four windows are under way at the same time, and together they are still far below the "
        "line.",
    ]
    praise = (
        "That is the answer for ten o'clock: not a faster line, but the window scaling switched on at Eastcliff's end, or several "
        "associations at a time, which the archive can do today. And the provider may say what the round trip is spent on."
    )
