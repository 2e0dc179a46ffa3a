"""Random connectivity problems with a network sniffer: the exercises of lesson cpia-02."""

import contextlib
import ipaddress
import itertools
import re
from typing import NamedTuple

from coursekit.checking import Client, Fields, Function, Lesson, Number, Table, Text
from coursekit.checking.kinds.base import Difference, Kind
from coursekit.checking.kinds.table import Rows
from coursekit.checking.kinds.text import read_with, word_of_a_table
from coursekit.checking.reading import Unclear, Unreadable, describe, plain, short, single
from coursekit.checking.verdict import Outcome, Verdict
from coursekit.errors import CourseError
from coursekit.standards import pcap
from coursekit.standards import upper_layer as ul
from coursekit.standards.sniffer import Sniffer

lesson = Lesson(
    "cpia-02",
    title="Random connectivity problems with a network sniffer",
    version=1,
    minutes=110,
    objectives=[
        "read a capture as tables, from the TCP connection to the DICOM status, and say who ended what",
        "name the cause of a connection problem and the frame that proves it",
        "find the pattern in a fault that comes and goes, and say whether the network or a program is slow",
    ],
    covers=["troubleshoot random connectivity issues using a network sniffer"],
    needs=["cpas-10", "cpas-11"],
)

PACS, PORT = "10.20.10.10", 11112
PACS_TITLE = "HV_PACS"
SUMMER = 2                              # hours that the hospital's clocks are ahead of UTC in April


# --- tapes

class Tape(Sniffer):
    """A capture as the lesson shows it: the Sniffer's tables, and what the caller said of it."""

    def __init__(self, capture, ticket=None):
        super().__init__(capture.packets, capture.truth["hosts"])
        self.ticket = ticket or capture.ticket
        # Tables are made when they are first asked for, and an input must not change: so all are made here.
        for table in ("conversations", "pdus", "contexts", "messages", "hl7", "timing", "oddities"):
            getattr(self, table)

    def __repr__(self):
        count = len(self.conversations)
        return f"<{len(self.packets)} frames, {count} connection{'s' * (count != 1)}: \"{self.ticket}\">"


DOORS = ("called_aet", "local_limit", "abstract_syntax", "ct_mwl", "max_pdu", "mg_ctx", "accept_abort")
WIRES = ("mr_idle", "zero_window", "no_answer", "mtu", "us_dup", "tls", "duplex", "ids_rst")
WORDS = ("status_b000", "worklist_empty", "move_unknown", "status_a900", "mllp_a40", "status_a700")
TICKETS = {                             # of a capture whose own caller names another time of day than the tape does
    "mr_idle": "Sometimes the MR does not send: the first image goes, the next one some minutes later does not, then it works again.",
    "ct_mwl": "Emergency CT, in the night to Sunday: \"The worklist doesn't load, I typed the patient in by hand. And the step is not "
    "reported either.\"",
}


def _tapes(hospital, names, first):
    return {f"tape {number}": Tape(hospital.capture(name), TICKETS.get(name)) for number, name in enumerate(names, first)}


@lesson.input
def sound(hospital):
    """A connection test with which all is well."""
    return Tape(hospital.capture("echo"))


@lesson.input
def camera(hospital):
    """The wound camera's new export program: the worked example."""
    return Tape(hospital.capture("application_context"))


@lesson.input
def doors(hospital):
    """Tapes of what goes wrong about the association."""
    return _tapes(hospital, DOORS, 1)


@lesson.input
def wires(hospital):
    """Tapes of what goes wrong below DICOM."""
    return _tapes(hospital, WIRES, 8)


@lesson.input
def words(hospital):
    """Tapes of what goes wrong in DICOM and HL7 messages, or only seems to."""
    return _tapes(hospital, WORDS, 16)


ENDINGS = (                             # capture, and which of its connections
    ("accept_abort", 0), ("echo", 0), ("local_limit", None), ("ids_rst", 0), ("called_aet", 0), ("artim", 0), ("max_pdu", 0),
)


class Ending(NamedTuple):
    """How a connection ended: rows of text, as a sniffer lists them, and between whom."""

    client: str
    server: str
    rows: tuple

    def __repr__(self):
        return f"{self.client} calls {self.server}\n" + "\n".join(f"    {row}" for row in self.rows)


@lesson.input
def endings(hospital):
    """The last frames of seven connections: {name: Ending}, numbers without their meaning."""
    found = {}
    for number, (name, stream) in enumerate(ENDINGS, 1):
        capture = hospital.capture(name)
        seen = Sniffer(capture.packets, capture.truth["hosts"])
        if stream is None:              # the first that was rejected
            stream = int(seen.pdus[seen.pdus["pdu"] == "A-ASSOCIATE-RJ"]["stream"].iloc[0])
        found[f"ending {number}"] = _ending(seen, stream)
    return found


def _ending(seen, stream):
    talk = seen.talks[stream]
    ends = seen.conversations.iloc[stream]
    usual = {}
    for packet in talk.packets:
        usual.setdefault(packet.source, packet.ip.ttl)
    pdus = {int(row["frame"]): row for _, row in seen.pdus[seen.pdus["stream"] == stream].iterrows()}
    rows, before = [], talk.packets[0].time
    if len(pdus) == 0 or min(pdus) > 4:                     # nothing was said for long: the handshake is part of the story
        rows.append(f"{'':8} {'both':8}  TCP handshake")
    for packet in talk.packets:
        waited, before = (packet.time - before) / 1e6, packet.time
        who = ends["client"] if packet.source == talk.client else ends["server"]
        if packet.number in pdus:
            what = _numbers(pdus[packet.number])
        elif packet.tcp.flags & pcap.RST:
            ttl = usual[packet.source]
            compared = "as before" if packet.ip.ttl == ttl else f"earlier frames from this address {ttl}"
            what = f"{'RST':14} TTL {packet.ip.ttl}, {compared}"
        elif packet.tcp.flags & pcap.FIN:
            what = "FIN"
        else:
            continue
        rows.append(f"{waited:7.1f}s {who:8}  {what}")
    return Ending(ends["client"], ends["server"], tuple(rows[-5:] if len(rows) > 6 else rows))


def _numbers(row):
    """A PDU by its name, a rejection or an abort with its numbers alone."""
    content = row["detail"]
    if row["pdu"] == "A-ASSOCIATE-RJ":
        result, source, reason = content.split(":")[0].split("/")
        return f"{row['pdu']:14} result {result}, source {source}, reason {reason}"
    if row["pdu"] == "A-ABORT":
        source, reason = ("0", "0") if content == "the application" else content.split(":")[0].split("/")
        return f"{row['pdu']:14} source {source}, reason {reason}"
    return row["pdu"]


@lesson.input
def segments(hospital):
    """What the dental sensor sent, segment by segment as it was captured: a list of (position of the first byte, bytes)."""
    talk = pcap.connections(pcap.packets(hospital.capture("duplex").packets))[0]
    stream = talk.sent[0]
    return [(stream.offset(packet.tcp.seq), packet.payload) for packet in talk.packets if packet.source == talk.client and packet.payload]


@lesson.input
def stretch(hospital):
    """Where the third PDU of `segments` ends: (segments, PDUs) around that place, each as (position, bytes, label)."""
    from_wire = lesson.input_of("segments", hospital)
    found, at = [], 0
    for number, octets in enumerate(ul.split(joined(from_wire))[0], 1):
        found.append((at, len(octets), f"PDU {number}, {ul.NAMES[octets[0]]}"))
        at += len(octets)
    middle = sum(found[2][:2])
    pieces, have = [], 0
    for position, octets in sorted(from_wire):
        if position >= have:                    # what was sent again is left out
            pieces.append((position, len(octets), f"segment {len(pieces) + 1}"))
            have = position + len(octets)
    return tuple([block for block in blocks if block[0] < middle + 3600 and sum(block[:2]) > middle - 3600] for blocks in (pieces, found))


def joined(segments):
    """The bytes of a stream, each once and in order, up to the first that is missing. segments : list of (position, bytes)."""
    stream = b""
    for position, octets in sorted(segments):
        if position > len(stream):
            break
        stream = stream + octets[len(stream) - position:]
    return stream


# --- a day

BY_HOUR = (3, 3, 2, 2, 2, 3, 6, 7, 24, 28, 33, 27, 20, 24, 26, 8, 22, 16, 9, 8, 7, 6, 5, 6)      # associations an hour, by the wall clock
SENDERS = ("CT2", "DX_CH1", "CR_ER1", "MR1", "US_ECHO1", "CTER01", "RF1", "MG1", "NM1", "US_OB1")
VIEWERS = ("WS_CH1", "WS_MG1", "WS_ED1")
FORGOTTEN = "PX_DENT1", "HVPACS"        # it calls by a title that HV_PACS has not had for years, every half hour


def _day_scene(hospital):
    """Thursday, 3 April 2025, on the network card of the server room: every association, and of each only an echo."""
    from coursekit.hospital import clock
    from coursekit.hospital.capture_scenes import MOST_ASSOCIATIONS
    from coursekit.hospital.capture_stage import CT, EXPLICIT, IMPLICIT, MPPS, STUDY_ROOT_FIND, VERIFICATION, WORKLIST, Scene

    second, minute, hour = 1_000_000, 60_000_000, 3_600_000_000
    scene = Scene(hospital, "cpia-02 day")
    scene.listen("HV_PACS")
    chance = scene.chance
    midnight = clock.seconds("2025-04-03 00:00:00") * second - SUMMER * hour
    store, echo, query = (CT, (EXPLICIT, IMPLICIT)), (VERIFICATION, (IMPLICIT,)), (STUDY_ROOT_FIND, (IMPLICIT,))
    calls = []                          # start, caller, server, called title, contexts, how long it stays, what it is told

    def add(start, caller, server, contexts, stay, told=None, called=None):
        calls.append((midnight + start + chance(0, 999_999), caller, server, called or server, contexts, stay, told))

    for at, count in enumerate(BY_HOUR):
        for _ in range(count):
            add(at * hour + chance(0, 3599) * second, SENDERS[chance(0, 9)], "HV_PACS", [echo, store], chance(3, 20) * second)
        if 7 <= at < 18:
            for _ in range(3):
                add(at * hour + chance(0, 3599) * second, SENDERS[chance(0, 9)], "HV_MWL", [echo, (WORKLIST, (IMPLICIT,))],
                    chance(1, 3) * second)
    for place in range(48):
        add(place * 30 * minute + 7 * second, FORGOTTEN[0], "HV_PACS", [echo], 0, (1, 1, 7), FORGOTTEN[1])
    for start, count in ((7 * hour + 28 * minute, 5), (15 * hour + 28 * minute, 5), (23 * hour + 2 * minute, 2)):
        for place in range(3 * count):                      # at the change of shift each viewer opens as many, and keeps them
            add(start + (place * 8 + chance(0, 7)) * second, VIEWERS[place % 3], "HV_PACS", [query], chance(420, 560) * second)
        for _ in range(6):
            add(start + chance(150, 400) * second, SENDERS[chance(0, 9)], "HV_PACS", [echo, store], chance(4, 12) * second)
    for at in (2, 3):                   # the nightly backup
        for _ in range(3):
            add(at * hour + chance(600, 3000) * second, "CT2", "HV_PACS", [echo, store], 0, (2, 3, 1))
    for _ in range(5):
        add(10 * hour + chance(0, 3599) * second, SENDERS[chance(0, 9)], "HV_MWL", [echo], 0, (2, 3, 2))
    for at in (9, 11, 14):
        add(at * hour + chance(0, 3599) * second, "IVUS1", "HV_MWL", [(MPPS, (IMPLICIT,))], 0, (1, 1, 3))
    for at in (1, 4, 22):
        for _ in range(4):
            add(at * hour + chance(0, 3599) * second, "HV_PACS", "HV_VNA", [echo, store], chance(3, 9) * second)
    add(4 * hour + 1800 * second, "HV_PACS", "HV_VNA", [store], 0, (2, 3, 2))

    ends = []                           # when each open association of HV_PACS ends
    for start, caller, server, called, contexts, stay, told in sorted(calls):
        talk = scene.call(caller, server, start, contexts, called=called)
        if server == "HV_PACS":
            ends = [end for end in ends if end > start]
            if told is None and len(ends) >= MOST_ASSOCIATIONS:
                told = 2, 3, 2
        if told is not None:
            talk.reject(*told)
            continue
        talk.accept()
        if contexts[0] is echo:
            talk.echo()
        talk.connection.think(stay)
        talk.release()
        if server == "HV_PACS":
            ends.append(talk.connection.now)
    return scene


@lesson.input
def day(hospital):
    """A day's associations with the servers, as a capture."""
    scene = _day_scene(hospital)
    names = {host.ip: host.name for host in scene.hosts.values()}
    return Sniffer(pcap.write(scene.tap.frames()), names)


@lesson.input
def calls(hospital):
    """A row for each association that was asked for in `day`: stream, utc, client, server, and the answer as the sniffer tells it."""
    seen = lesson.input_of("day", hospital)
    answers = seen.pdus[seen.pdus["pdu"].isin(["A-ASSOCIATE-AC", "A-ASSOCIATE-RJ"])]
    return seen.conversations[["stream", "utc", "client", "server", "duration"]].merge(answers[["stream", "pdu", "detail"]], on="stream")


# --- three that are slow

FAR = "ECC_CT1", "10.60.10.41"          # a scanner of Eastcliff Clinic, behind the provider's line
SLOW = (FAR[0], "MG1", "NM1")
IMAGES = 6


def _slow_scene(hospital):
    """Three senders, each of six images: one far away, one whose images the archive thinks about, one that takes its time itself."""
    from coursekit.hospital import clock
    from coursekit.hospital.capture_stage import CT, EXPLICIT, IMPLICIT, MG, Scene, data_set, image_data, latest_ct, object_uids

    class FarTap(pcap.Tap):
        def delay(self, host):
            return away if host.name == FAR[0] else super().delay(host)

        def ttl(self, host):
            return host.ttl - 7 if host.name == FAR[0] else super().ttl(host)

    nuclear = "1.2.840.10008.5.1.4.1.1.20"                  # Nuclear Medicine Image Storage
    scene = Scene(hospital, "cpia-02 slow")
    away = scene.chance(17_000, 21_000)                     # µs from the sniffer, one way
    scene.hosts[FAR[0]] = pcap.Host(*FAR, pcap.hardware_address(FAR[1]), sack=False, window=16_384, delayed_ack=40_000)
    scene.entities[FAR[0]] = FAR[1], 104
    scene.hosts["HV_PACS"] = scene.host("HV_PACS")._replace(window=65_535)
    scene.tap = FarTap("10.20.10", scene.chance)
    row = latest_ct(scene)
    data = {side: data_set(image_data(scene, row, CT, object_uids(row)[0], 1, side)) for side in (96, 384)}
    for place, (name, sop_class, side) in enumerate(zip(SLOW, (CT, MG, nuclear), (384, 96, 96))):
        start = clock.seconds(f"2025-04-04 09:1{place}:20") * 1_000_000 + scene.chance(0, 400_000)
        talk = scene.call(name, "HV_PACS", start, [(sop_class, (EXPLICIT, IMPLICIT))])
        if name == "MG1":
            talk.connection.pace = 1                        # µs for a byte: its port has 10 Mbit/s
            talk.connection.think(scene.chance(400_000, 600_000))
        talk.accept()
        for uid in object_uids(row, IMAGES):
            talk.ask(0x01, 1, sop_class, data[side], Priority=0, AffectedSOPInstanceUID=uid)
            think = scene.chance(1_700_000, 2_600_000) if name == "MG1" else scene.chance(14_000, 46_000)
            talk.reply(0x01, 1, sop_class, think=think, AffectedSOPInstanceUID=uid)
            talk.connection.think({"MG1": scene.chance(110_000, 260_000), "NM1": scene.chance(2_100_000, 3_400_000)}.get(name, 0))
        talk.release()
    return scene


@lesson.input
def slow(hospital):
    """Three series on their way into the archive, captured beside it: a Sniffer."""
    scene = _slow_scene(hospital)
    seen = Sniffer(pcap.write(scene.tap.frames()), {host.ip: host.name for host in scene.hosts.values()})
    for table in ("conversations", "timing", "messages", "pdus", "contexts", "oddities", "hl7"):
        getattr(seen, table)
    return seen


# --- who ended it

DECIDED = {
    "a": "the calling program",
    "b": "the called program",
    "c": "the protocol software of the called side",
    "d": "neither of the two: something on the way",
    "e": "nobody broke off: both were done",
}


def letter_of(table):
    """A reading: a letter of `table` ({letter: its text}), from "b", "B", "b)", "b: the called program" or "the called program"."""
    def reading(value):
        text = " ".join(str(value).split()).strip(" .):('\"").casefold()
        text = re.sub(r"^([a-z])[).:,]+ .*", r"\1", text)
        for letter, words in table.items():
            if text in (letter, words, words.removeprefix("the "), *words.split(": ")):
                return letter
        raise ValueError(f"give one of the letters {', '.join(table)}")
    return reading


class Letters(Fields):
    """A dictionary of letters; they may stand in one piece of text too, in the order of the entries: "ecd", "e, c, d"."""

    def _written(self, given):
        if type(given) is str and re.fullmatch(r"(?:[a-z][\s,;/-]*)+", given.strip().casefold()):
            given = re.findall(r"[a-z]", given.casefold())
        return super()._written(given)


WHO_NEEDS = {  # what a letter would need
    "a": "the calling program itself would have to break off: an A-ABORT with source 0 that the caller sends, say.",
    "b": "the called program would have to say so: a rejection with source 1, or an A-ABORT with source 0 that the called side sends.",
    "c": "the protocol software of the called side would have to say or do it by its own rules: source 2 or 3 of a rejection, source "
    "2 of an A-ABORT, or a timer that ran out.",
    "d": "something would have to show that a frame is not from the address that it bears.",
    "e": "there would be an A-RELEASE-RQ and its answer.",
}


WHO = Text("", reading=letter_of(DECIDED),
           remark=lambda said, right: f"{said} is not what these frames show: for that, {WHO_NEEDS[said]}")


def _ended(**changed):
    """Who ended each of the seven, but for those in `changed`: ending_3="a"."""
    right = dict(zip((f"ending {number}" for number in range(1, 8)), "beccbcc"))
    right["ending 4"] = "d"
    return right | {name.replace("_", " "): letter for name, letter in changed.items()}


@lesson.exercise
class WhoEndedIt:
    """Who **ended** each of the seven connections in `endings`: who decided that it does not go on? Give the letter from the table above
    for each.
    """

    answer = Letters("who", {f"ending {number}": WHO for number in range(1, 8)}, in_order=True)
    points = 2

    def solution(endings):
        return {
            "ending 1": "b",        # an A-ABORT from HV_VNA with source 0: the program there
            "ending 2": "e",        # A-RELEASE-RQ and A-RELEASE-RP: asked for, and agreed
            "ending 3": "c",        # a rejection with source 3: the protocol software of HV_PACS
            "ending 4": "d",        # two RST under both addresses, with a TTL that neither side ever had
            "ending 5": "b",        # a rejection with source 1: the program of HV_PACS
            "ending 6": "c",        # 30.0 seconds without a request, and then HV_PACS closes: its ARTIM timer
            "ending 7": "c",        # an A-ABORT from HV_PACS with source 2: its protocol software
        }

    def by_the_first_fin(endings):
        return _ended(ending_1="a", ending_2="a", ending_3="a", ending_5="a", ending_6="b", ending_7="a")

    def abort_of_the_caller(endings):
        return _ended(ending_1="a")

    def user_is_the_caller(endings):
        return _ended(ending_5="a")

    def abort_of_the_protocol(endings):
        return _ended(ending_1="c")

    def rejection_of_the_protocol(endings):
        return _ended(ending_5="c")

    def limit_of_the_program(endings):
        return _ended(ending_3="b")

    def every_abort_is_the_program(endings):
        return _ended(ending_7="b")

    def abort_for_the_sender(endings):
        return _ended(ending_7="a")

    def reset_of_the_caller(endings):
        return _ended(ending_4="a")

    def reset_of_the_called(endings):
        return _ended(ending_4="b")

    def reset_of_the_protocol(endings):
        return _ended(ending_4="c")

    def released_by_the_caller(endings):
        return _ended(ending_2="a")

    def fin_is_a_release(endings):
        return _ended(ending_6="e")

    def late_caller(endings):
        return _ended(ending_6="a")

    def timer_of_the_program(endings):
        return _ended(ending_6="b")

    def timer_between(endings):
        return _ended(ending_6="d")

    wrong_ways = {
        by_the_first_fin: "You went by who sent the first FIN. TCP is cleared away *after* the decision: whoever gets a rejection or an "
        "abort closes the connection (PS3.8 section 9.2, actions AE-4 and AA-3). The decision stands in the DICOM message before.",
        abort_of_the_caller: "The A-ABORT of ending 1 is sent *by* the called system. Source 0 is the *service-user*: the program above "
        "the protocol software, on the side that sends it. It is neither a person nor the program that called.",
        user_is_the_caller: "Source 1, *service-user*, sounds like the caller, and is not. The service that is used is the protocol "
        "software, and the user of the side that rejects is the program there (PS3.8 Table 9-21).",
        abort_of_the_protocol: "In ending 1 the abort has source 0. The protocol software would name itself by source 2 (PS3.8 Table "
        "9-26).",
        rejection_of_the_protocol: "In ending 5 the rejection has source 1. The protocol software would name itself by source 2 or 3 "
        "(PS3.8 Table 9-21).",
        limit_of_the_program: "In ending 3 the source is not 1. The program was not even asked: the software below it had no room left "
        "(PS3.8 Table 9-21).",
        every_abort_is_the_program: "Ending 7 is an abort too, but its source is not 0: the protocol software broke off, because of what "
        "it was sent. The program may know nothing of it (PS3.8 Table 9-26).",
        abort_for_the_sender: "In ending 7 the scanner gave the reason, that is true. Asked is who decided, and the A-ABORT comes from the "
        "other side.",
        reset_of_the_caller: "One of the resets of ending 4 bears the scanner's address. Look at the TTL: the scanner's own frames have "
        "passed routers on their way here. This one has not.",
        reset_of_the_called: "One of the resets of ending 4 bears the archive's address, and the other the scanner's, at the same moment. "
        "Who resets tells the other side, not both. And look at the TTL.",
        reset_of_the_protocol: "A RST is TCP's; DICOM's protocol software would say A-ABORT. And in ending 4 both sides are reset at once, "
        "with a TTL that neither had before.",
        released_by_the_caller: "Ending 2: the caller asks for the release, and the other side agrees with A-RELEASE-RP. Nothing was "
        "broken off (PS3.8 section 7.2).",
        fin_is_a_release: "A FIN ends TCP's connection. A release is two DICOM messages, A-RELEASE-RQ and A-RELEASE-RP, and in ending 6 "
        "there are none.",
        late_caller: "In ending 6 the caller was late, that is true. Asked is who did not want to wait, and the first FIN comes from the "
        "other side, after a round number of seconds.",
        timer_of_the_program: "In ending 6 no request had come, so the program above had not been told of anything yet. The ARTIM timer "
        "is part of the protocol software (PS3.8 section 9.1.5).",
        timer_between: "In ending 6 the FIN has the archive's TTL, and a round number of seconds passed before it: a timer at the "
        "archive. A firewall that forgets a connection sends no FIN.",
    }
    hints = [
        "Look for the DICOM message first: A-ASSOCIATE-RJ, A-ABORT or A-RELEASE. Only where there is none does TCP tell: FIN or RST.",
        "*Service-user* and *service-provider* are both on the side that sends the message: the user is the program, the provider the "
        "protocol software below it.",
        "Rejection: source 1 is the program, 2 and 3 the protocol software. Abort: source 0 is the program, 2 the protocol software.",
        "For the two without a DICOM message: what has a TTL that nobody had before, and what waited for a round number of seconds?",
    ]
    praise = "So before you call a vendor: which side's program, which side's protocol software, or neither? The source says it."


# --- cause and frame

class Found(NamedTuple):
    """A diagnosis: the letter of the cause, and the frames that are named for it; none where a misconception may name any."""

    cause: str
    frames: frozenset


class Proof(Kind):
    """A cause and a frame that proves it: ("b", 17), "b 17", ("b", [17, 21]), {"cause": "b", "frame": 17}.

    letters : the causes there are, {letter: what it would need}

    Every frame that is given must be one of the solution's.
    """

    takes = "the letter of a cause and the number of a frame, such as `(\"a\", 12)`"

    def __init__(self, letters):
        super().__init__("")
        self.letters = letters

    def read(self, given):
        """A Found."""
        value = single(plain(given))
        if type(value) is dict:
            value = [value.get(next((name for name in value if str(name).casefold() == wanted), None)) for wanted in ("cause", "frame")]
        if type(value) is str:
            value = _parted(value)
        if type(value) is not list or len(value) < 2:
            raise Unclear(describe(given))
        if len(value) == 2 and type(value[0]) is int and str(value[1]).casefold() in self.letters:
            value = value[::-1]
        cause, *frames = value
        cause = str(cause).strip(" .):('\"").casefold()
        if cause not in self.letters:
            raise Unreadable(f"{short(value[0])} is no letter of the table; there are {', '.join(self.letters)}")
        return Found(cause, _frames(frames))

    def difference(self, answer, other):
        """None when the cause is the same and every frame that is named is among the other's."""
        if answer.cause != other.cause:
            return Difference(f"The cause {answer.cause} does not fit: for it, {self.letters[answer.cause]}", "cause")
        if other.frames and (not answer.frames or not answer.frames <= other.frames):
            return Difference("The cause fits; the frame does not show it.", "frame")
        return None


def _parted(text):
    """The letter and the rest of "b 5", "b5", "b) frame 5"."""
    found = re.fullmatch(r"\(?\s*([a-z]+)(?![a-z])[\s,;:.)-]*(.*?)\)?", text.strip(), re.IGNORECASE)
    if not found or not found[2]:
        raise Unreadable(f"In {short(text)} there is no number of a frame. Write the letter and the number, such as `(\"a\", 12)`.")
    return [found[1], found[2]]


def _frames(given):
    """Numbers of frames, from numbers, lists of them and text such as "frame 5"; empty for "any" and for None."""
    found = set()
    for one in given:
        if one is None:
            continue
        if one is Ellipsis:
            raise Unreadable("The number of the frame is still open: put it in place of the `...`.")
        if type(one) is list:
            found |= _frames(one)
        elif type(one) is int:
            found.add(one)
        elif type(one) is float and one == int(one):
            found.add(int(one))
        elif type(one) is str and re.fullmatch(r"(?:\s*(?:frames?|no\.|,|;|and|#)*\s*\d+)+\s*", one.casefold()):
            found |= {int(number) for number in re.findall(r"\d+", one)}
        elif one != "any":
            raise Unreadable(f"{short(one)} is no number of a frame")
    return frozenset(found)


def _remark(given):
    """The remark of a Fields on tapes: what a frame shows that proves nothing. given : the name of the input with the tapes."""
    def remark(name, answer, right, input):
        tape = input(given)[name]
        if answer.cause != right.cause:
            return None
        if not answer.frames and given == "words" and answer.cause == NOTHING:
            return "the cause fits. That nothing is wrong has its proof as well: the answer that came. Which frame is it in?"
        if not answer.frames:
            return "the cause fits. Which frame shows it?"
        wrong = min(answer.frames - right.frames)
        asked = given != "wires" and (_short_enough(tape, wrong, answer.cause) or _asked(tape, wrong, right.frames))
        return f"the cause fits, but not frame {wrong}. {asked or _told(tape, wrong, given == 'wires', answer.cause)}"
    return remark


def _short_enough(tape, number, cause):
    """A sentence on a P-DATA-TF that is no longer than the other side takes, where the length is the cause; "" for every other."""
    for row in tape.pdus[tape.pdus["pdu"] == "P-DATA-TF"].fillna({"complete": 0}).to_dict("records"):
        if cause == "g" and row["frame"] <= number <= row["complete"] and tape.packets[number - 1].payload:
            return (f"It belongs to a P-DATA-TF of length {row['length']}, which is no longer than the other side takes. Look at the other "
                    "PDUs.")
    return ""


def _connections_of(tape, frames):
    """The numbers of the connections to which any of these frames belongs."""
    return {stream for stream, talk in enumerate(tape.talks) if not {packet.number for packet in talk.packets}.isdisjoint(frames)}


def _asked(tape, number, proofs):
    """A sentence on a frame of a question, where the answer proves; "" for every other. proofs : the frames that prove the cause"""
    failing = _connections_of(tape, proofs)
    questions = [tape.pdus[tape.pdus["pdu"] == "A-ASSOCIATE-RQ"].rename(columns={"pdu": "what"}),
                 tape.messages[tape.messages["status"] == ""].rename(columns={"message": "what"}),
                 tape.hl7[tape.hl7["code"] == ""].rename(columns={"message": "what"})]
    for table in questions:
        for row in table.fillna({"complete": 0}).to_dict("records"):
            if row["frame"] <= number <= row["complete"] and tape.packets[number - 1].payload:
                if row["what"] == "A-ASSOCIATE-RQ" and row["stream"] not in failing:
                    return (f"It belongs to the {row['what']} from {row['from']} in another connection than those that fail: this one was "
                            "granted. Take the answer in a connection that fails.")
                return (f"It belongs to the {row['what']} from {row['from']}: that is the question, and the same might have been granted. "
                        "What proves the cause is the answer.")
    return ""


def _told(tape, number, below, cause):
    """What frame `number` of a tape is, in a sentence. below : whether the cause lies below DICOM, so that it counts what arrived"""
    if not 1 <= number <= len(tape.packets):
        return f"This tape has {len(tape.packets)} frames."
    odd = tape.oddities[tape.oddities["frame"] == number]["what"]
    packet = tape.packets[number - 1]
    if below and cause == "b" and "pause" in set(odd):
        return ("The silence before it belongs to the cause, and silence alone harms nobody: tape 2 is full of it. Which frame shows "
                "that the connection was forgotten?")
    if len(odd):
        return f"The sniffer says of it: {', '.join(dict.fromkeys(odd))}. That followed from the cause, or has nothing to do with it."
    if packet.tcp is not None and not packet.payload:
        return "It carries nothing: it opens, confirms or closes a TCP connection."
    arrived = " It has arrived: the other side has confirmed it." if below and _confirmed(tape, packet) else ""
    for row in tape.messages[tape.messages["status"] != ""].fillna({"complete": 0}).to_dict("records"):
        if not below and row["frame"] <= number <= row["complete"]:
            return (f"It belongs to the {row['message']} from {row['from']}, status {row['status']}: {row['meaning'].rstrip('.')}. "
                    "Look for the answer that *says* what is wrong.")
    for table, column in ((tape.pdus, "pdu"), (tape.hl7, "message")):
        rows = table[(table["frame"] <= number) & (table["complete"].fillna(10**6) >= number)]
        if len(rows):
            what = f"It belongs to the {rows.iloc[-1][column]} from {rows.iloc[-1]['from']}."
            if not below and rows.iloc[-1][column] == "A-ASSOCIATE-AC":
                what = f"{what} It says: {rows.iloc[-1]['detail']}."
            return f"{what}{arrived} Look for the frame that *says* what is wrong, or in which it happens."
    return "Look for the frame that says what is wrong, or in which it happens."


def _confirmed(tape, packet):
    """Whether the other side has confirmed the last byte of a segment."""
    if packet.tcp is None:
        return False
    end = packet.tcp.seq + len(packet.payload)
    return any(later.tcp is not None and later.source == packet.target and later.target == packet.source and later.tcp.flags & pcap.ACK
               and later.tcp.ack - end & 0xFFFFFFFF < 1 << 31 for later in tape.packets[packet.number:])


def _but(said, changes):
    """The diagnoses `said` with other causes for some: {old letter: new letter}; the frame is then of no account."""
    return {name: (changes[cause], "any") if cause in changes else (cause, frames) for name, (cause, frames) in said.items()}


def _at(tapes, said, names, name, cause, frames="any"):
    """The diagnoses `said` with another one for the capture `name`. names : the captures, in the order of `tapes`."""
    return {**said, list(tapes)[names.index(name)]: (cause, frames)}


NOTHING = "e"                           # of the causes in messages: nothing is wrong
AT_THE_DOOR = {                         # cause -> what it would need
    "a": "the called system would have to say that it does not know who calls: a rejection with source 1 and the reason for that title.",
    "b": "the called system would have to say that it does not go by the title that is called: a rejection with source 1 and that reason.",
    "c": "there would be a transient rejection that speaks of a limit or of congestion.",
    "d": "the association would be accepted, and the result of a presentation context would speak of the abstract syntax.",
    "e": "the association would be accepted, and the result of a presentation context would speak of the transfer syntaxes.",
    "f": "the called program would break off after accepting: an A-ABORT with source 0.",
    "g": "the called side would break off, and its protocol software would say so: an A-ABORT with source 2.",
    "h": "there would be a rejection that speaks of the application context name.",
    "i": "there would be no answer in DICOM at all. Is there one on this tape?",
}


@lesson.exercise
class AtTheDoor:
    """What is wrong on each of the seven tapes in `doors`, and **which frame proves it**? Give a pair for each: the letter of the cause
    from the table above, and the number of a frame.

    The frame is the one in which the cause itself can be seen: the answer that says it, not the question before and not what followed.
    Where several show it, any of them will do.
    """

    answer = Fields("at_the_door", {f"tape {number}": Proof(AT_THE_DOOR) for number in range(1, 8)}, in_order=True,
                    remark=_remark("doors"))
    points = 3

    def solution(doors):
        rejected, aborted, accepted = {}, {}, {}            # of each tape: the frames of these answers
        for name, tape in doors.items():
            pdus = tape.pdus
            rejected[name] = pdus[pdus["pdu"] == "A-ASSOCIATE-RJ"]["frame"].tolist()
            aborted[name] = pdus[pdus["pdu"] == "A-ABORT"]["frame"].tolist()
            accepted[name] = pdus[pdus["pdu"] == "A-ASSOCIATE-AC"]["frame"].tolist()

        pdus = doors["tape 5"].pdus
        too_long = pdus[pdus["length"] > 16384].iloc[0]     # HV_PACS says in its A-ASSOCIATE-AC: "takes PDUs up to 16384"
        parts = []                                          # the frames in which that PDU went
        for packet in doors["tape 5"].packets:
            if too_long["frame"] <= packet.number <= too_long["complete"] and packet.payload:
                parts.append(packet.number)

        return {
            "tape 1": ("b", rejected["tape 1"]),            # frames 5 and 14, 1/1/7: nobody there goes by HVPACS, the title that is called
            "tape 2": ("c", rejected["tape 2"]),            # every rejection, 2/3/2: the limit of open associations, for the moment
            "tape 3": ("d", accepted["tape 3"]),            # frame 5: 0 of 2 contexts, both with the result 3, the abstract syntax
            "tape 4": ("a", rejected["tape 4"]),            # frames 5 and 14, 1/1/3: HV_MWL does not know CTER01, who calls
            "tape 5": ("g", aborted["tape 5"] + parts),     # frame 42, 2/6: after a PDU that is longer than HV_PACS takes
            "tape 6": ("e", accepted["tape 6"][1:]),        # frame 38, the second association: a context with the result 4
            "tape 7": ("f", aborted["tape 7"]),             # frame 7: accepted, and then an A-ABORT with source 0, the program
        }

    def seven_for_three(doors):
        return _at(doors, AtTheDoor.solution(doors), DOORS, "ct_mwl", "b")

    def three_for_seven(doors):
        return _at(doors, AtTheDoor.solution(doors), DOORS, "called_aet", "a")

    def swapped_titles(doors):
        return _but(AtTheDoor.solution(doors), {"a": "b", "b": "a"})

    def a_limit_is_a_title(doors):
        return _at(doors, AtTheDoor.solution(doors), DOORS, "local_limit", "a")

    def a_limit_is_the_called_title(doors):
        return _at(doors, AtTheDoor.solution(doors), DOORS, "local_limit", "b")

    def a_limit_is_the_application_context(doors):
        return _at(doors, AtTheDoor.solution(doors), DOORS, "local_limit", "h")

    def a_limit_is_the_network(doors):
        return _at(doors, AtTheDoor.solution(doors), DOORS, "local_limit", "i")

    def swapped_syntaxes(doors):
        return _but(AtTheDoor.solution(doors), {"d": "e", "e": "d"})

    def abstract_as_transfer(doors):
        return _at(doors, AtTheDoor.solution(doors), DOORS, "abstract_syntax", "e")

    def transfer_as_abstract(doors):
        return _at(doors, AtTheDoor.solution(doors), DOORS, "mg_ctx", "d")

    def result_three_is_reason_three(doors):
        return _at(doors, AtTheDoor.solution(doors), DOORS, "abstract_syntax", "a")

    def contexts_are_the_application_context(doors):
        return _but(AtTheDoor.solution(doors), {"d": "h", "e": "h"})

    def abort_is_a_rejection(doors):
        return _at(doors, AtTheDoor.solution(doors), DOORS, "accept_abort", "a")

    def abort_is_the_network(doors):
        return _but(AtTheDoor.solution(doors), {"f": "i", "g": "i"})

    def every_abort_is_the_program(doors):
        return _at(doors, AtTheDoor.solution(doors), DOORS, "max_pdu", "f")

    def every_abort_is_the_protocol(doors):
        return _at(doors, AtTheDoor.solution(doors), DOORS, "accept_abort", "g")

    def all_the_network(doors):
        return {name: ("i", "any") for name in doors}

    def the_questions(doors):
        found = {}
        for name, (cause, proofs) in AtTheDoor.solution(doors).items():
            pdus = doors[name].pdus
            asked = pdus[(pdus["pdu"] == "A-ASSOCIATE-RQ") & pdus["stream"].isin(_connections_of(doors[name], proofs))]
            found[name] = cause, [int(frame) for frame in asked["frame"]]
        return found

    def the_first_frame(doors):
        return {name: (cause, 1) for name, (cause, _) in AtTheDoor.solution(doors).items()}

    wrong_ways = {
        swapped_titles: "The two titles are swapped. 3 is about the one that *calls*, 7 about the one that *is called* (PS3.8 Table 9-21): "
        "what must be corrected lies on different sides.",
        seven_for_three: "Tape 4 is about the other title. Reason 3 is the *calling* AE title: the called system knows its own name well, "
        "and does not know who calls (PS3.8 Table 9-21).",
        three_for_seven: "Tape 1 is about the other title. Reason 7 is the *called* AE title: nobody minds who calls, but nobody here goes "
        "by the name that was called (PS3.8 Table 9-21).",
        a_limit_is_a_title: "Tape 2: look at all three numbers. The rejection is *transient* and has another source; a title is neither "
        "unknown now and known in a minute. With another source, a reason means something else (PS3.8 Table 9-21).",
        a_limit_is_the_called_title: "Tape 2: the same caller with the same called title is accepted a little before and a little after. "
        "A wrong title would be wrong every time, and the rejection permanent.",
        a_limit_is_the_application_context: "Tape 2: you read the reason without its source. With source 1, reason 2 is the application "
        "context name; with source 3 it is something else (PS3.8 Table 9-21).",
        a_limit_is_the_network: "Tape 2: connections come about, and the answer is there within milliseconds, in DICOM. The network did "
        "its work; somebody answers, and says no for the moment.",
        swapped_syntaxes: "The two results of a presentation context are swapped: 3 is the *abstract* syntax, what is to be done or "
        "stored; 4 the *transfer* syntaxes, in which encoding (PS3.8 Table 9-18).",
        abstract_as_transfer: "Tape 3: result 3 of a presentation context is the *abstract* syntax: the receiver does not take such "
        "objects at all, in whatever encoding (PS3.8 Table 9-18).",
        transfer_as_abstract: "Tape 6: result 4 of a presentation context is the *transfer* syntaxes. The receiver may well take such "
        "objects, in an encoding that was not offered (PS3.8 Table 9-18).",
        result_three_is_reason_three: "Tape 3: a 3 in the *result of a presentation context* is not a 3 in the *reason of a rejection*. "
        "This association was accepted; what was refused is a context in it (PS3.8 Table 9-18 and Table 9-21).",
        contexts_are_the_application_context: "A *presentation* context names an object or service and its encodings, there are many of "
        "them. The *application* context is one fixed UID for all of DICOM; it is refused with a rejection, and there is none (PS3.8 "
        "section 9.3.4).",
        abort_is_a_rejection: "Tape 7: there is no A-ASSOCIATE-RJ. The association was accepted first, and broken off after that. Some "
        "products do so with callers that they do not know, and no code says it: only the called system's log does.",
        abort_is_the_network: "An A-ABORT is a DICOM message: a program or its protocol software has sent it, and the network has "
        "delivered it. Network equipment knows RST.",
        every_abort_is_the_program: "Tape 5: the A-ABORT has source 2, the protocol software, and a reason. Read the lengths of the PDUs, "
        "and in `detail` what the other side had said it takes (PS3.8 Table 9-26 and Annex D.1).",
        every_abort_is_the_protocol: "Tape 7: the A-ABORT has source 0, the program. With that source the reason is not significant (PS3.8 "
        "Table 9-26), and nothing that was sent before breaks a rule.",
        all_the_network: "On each of these tapes there is an answer in DICOM, within milliseconds. Whatever answers proves everything "
        "below it: cable, address, way and port.",
        the_questions: "The cause is right, but the frame that you name is the request: it shows what was asked, and the same request "
        "might have been granted. What proves the cause is the answer.",
        the_first_frame: "The cause is right, but frame 1 opens the TCP connection. What proves the cause is a DICOM answer: take its "
        "frame from the column `frame`.",
    }
    hints = [
        "Begin with `doors[\"tape 1\"].pdus`, then the same for each. An A-ASSOCIATE-RJ has its three numbers in `detail`; the number in "
        "`frame` is what is asked.",
        "An A-ASSOCIATE-AC with \"0 of 1\" is an association without any context: look into `.contexts`, columns `result` and `answer`. "
        "The frame is that of the A-ASSOCIATE-AC.",
        "Two tapes have an A-ABORT. \"The application\" is source 0. The other one names source and reason; compare the lengths of the "
        "PDUs before it with what the other side takes, at the end of the `detail` of its A-ASSOCIATE-AC.",
        "Where a tape has several connections, take the one that fails: with `pdus = doors[\"tape 2\"].pdus` filter by "
        "`pdus[pdus[\"pdu\"] == \"A-ASSOCIATE-RJ\"]`.",
    ]
    praise = (
        "Each of these is one line in a mail to the one who can mend it: numbers, frame, time. Nobody answers *works here*. (The mail on "
        "tape 6 goes to both sides: by PS3.5 sections 10.1 and 10.2 the sender had to offer Implicit VR Little Endian too, unless it had "
        "the images in lossy form only.)"
    )


ON_THE_WIRE = {
    "a": "two hardware addresses would have to answer for one IP address.",
    "b": "the connection would have to be silent for minutes, and then be reset when one side sends again.",
    "c": "a reset would have to come in the middle of the traffic, from neither of the two.",
    "d": "small segments would have to arrive, and a full-sized one again and again not: never confirmed, however often it is sent.",
    "e": "many *different* segments would have to be sent again, and all confirmed in the end.",
    "f": "the receiver itself would have to say that it has no room: a window of zero.",
    "g": "there would be no answer of any kind, not even to the SYN.",
    "h": "one side would have to begin with bytes that are no PDU: those of a TLS handshake, 16 03.",
    "i": "there would have to be an answer in DICOM that says no.",
    "j": "the request would have to arrive whole and be confirmed by TCP, and the response be late.",
}


@lesson.exercise
class OnTheWire:
    """Below DICOM: what is wrong on each of the eight tapes in `wires`, and **which frame proves it**? Pairs as before, with the letters of
    the table above.

    Again the frame is one in which the cause itself can be seen. What is sent again and again: any of these frames, the first time
    included.
    """

    answer = Fields("on_the_wire", {f"tape {number}": Proof(ON_THE_WIRE) for number in range(8, 16)}, in_order=True,
                    remark=_remark("wires"))
    points = 4

    def solution(wires):
        odd = {}                                            # of each tape: {what is odd: the frames}
        for name, tape in wires.items():
            odd[name] = {}
            for what in tape.oddities["what"]:
                odd[name][what] = tape.oddities[tape.oddities["what"] == what]["frame"].tolist()

        probes = []                                         # tape 9: the single byte that asks whether there is room now
        for packet in wires["tape 9"].packets:
            if len(packet.payload) == 1:
                probes.append(packet.number)
        first = wires["tape 12"].talks[0].packets[0]        # the SYN of US_OB1, from its own hardware address
        strayed = []                                        # frames for US_OB1's IP address that went to another station
        for packet in wires["tape 12"].packets:
            if packet.ip is not None and packet.ip.target == first.ip.source and packet.target_mac != first.source_mac:
                strayed.append(packet.number)
        large = []                                          # tape 11, the second connection: every full-sized segment
        for packet in wires["tape 11"].talks[1].packets:
            if len(packet.payload) >= 1400:
                large.append(packet.number)
        claims = []                                         # tape 12: who answers "this address is mine"
        for packet in wires["tape 12"].packets:
            if packet.arp is not None and packet.arp.operation == 2:
                claims.append(packet.number)
        lost = []                                           # tape 14: the first sending of what is sent again, "as in frame 20"
        for row in wires["tape 14"].oddities.to_dict("records"):
            if row["what"] == "sent again":
                lost.append(int(row["detail"].split()[-1]))

        return {
            # what `oddities` calls RST: after minutes of silence, under HV_PACS's address, with a TTL that it never had
            "tape 8": ("b", odd["tape 8"]["RST"]),
            # frames 72 and 74, and more: the receiver itself says that it has no room
            "tape 9": ("f", odd["tape 9"]["zero window"] + odd["tape 9"]["sent again"] + probes),
            # frames 1 to 3: the SYN and its repetitions, and nothing else
            "tape 10": ("g", odd["tape 10"]["no answer"] + odd["tape 10"]["sent again"]),
            # frames 31 to 36: small segments arrive, and a large one never, however often it is sent
            "tape 11": ("d", large),
            # frames 2 and 3: two hardware addresses answer for one IP address; the reset comes from the wrong one of them
            "tape 12": ("a", claims + strayed + odd["tape 12"]["other time to live"]),
            # frames 4 and 13: 16 03 01, a TLS handshake, where a PDU should begin
            "tape 13": ("h", odd["tape 13"]["unreadable"]),
            # what `oddities` calls "sent again": different segments are lost, go again, and are confirmed in the end
            "tape 14": ("e", odd["tape 14"]["sent again"] + lost),
            # frames 64 and 65: RST to both sides at once, in the middle of the traffic, with a TTL that neither ever had
            "tape 15": ("c", odd["tape 15"]["other time to live"]),
        }

    def idle_is_the_intruder(wires):
        return _at(wires, OnTheWire.solution(wires), WIRES, "mr_idle", "c")

    def idle_is_the_archive(wires):
        return _at(wires, OnTheWire.solution(wires), WIRES, "mr_idle", "i")

    def intruder_is_idle(wires):
        return _at(wires, OnTheWire.solution(wires), WIRES, "ids_rst", "b")

    def intruder_is_the_archive(wires):
        return _at(wires, OnTheWire.solution(wires), WIRES, "ids_rst", "i")

    def stuck_is_the_line(wires):
        return _at(wires, OnTheWire.solution(wires), WIRES, "zero_window", "e")

    def stuck_is_the_size(wires):
        return _at(wires, OnTheWire.solution(wires), WIRES, "zero_window", "d")

    def stuck_is_thinking(wires):
        return _at(wires, OnTheWire.solution(wires), WIRES, "zero_window", "j")

    def no_answer_is_a_refusal(wires):
        return _at(wires, OnTheWire.solution(wires), WIRES, "no_answer", "i")

    def no_answer_is_the_line(wires):
        return _at(wires, OnTheWire.solution(wires), WIRES, "no_answer", "e")

    def size_is_the_line(wires):
        return _at(wires, OnTheWire.solution(wires), WIRES, "mtu", "e")

    def size_is_the_archive(wires):
        return _at(wires, OnTheWire.solution(wires), WIRES, "mtu", "j")

    def line_is_the_size(wires):
        return _at(wires, OnTheWire.solution(wires), WIRES, "duplex", "d")

    def line_is_the_receiver(wires):
        return _at(wires, OnTheWire.solution(wires), WIRES, "duplex", "f")

    def line_is_thinking(wires):
        return _at(wires, OnTheWire.solution(wires), WIRES, "duplex", "j")

    def printer_is_the_intruder(wires):
        return _at(wires, OnTheWire.solution(wires), WIRES, "us_dup", "c")

    def printer_is_the_firewall(wires):
        return _at(wires, OnTheWire.solution(wires), WIRES, "us_dup", "b")

    def printer_is_the_line(wires):
        return _at(wires, OnTheWire.solution(wires), WIRES, "us_dup", "e")

    def tls_is_a_refusal(wires):
        return _at(wires, OnTheWire.solution(wires), WIRES, "tls", "i")

    def tls_by_its_abort(wires):
        said = OnTheWire.solution(wires)
        tape = wires[list(wires)[WIRES.index("tls")]]
        aborts = tape.pdus[tape.pdus["pdu"] == "A-ABORT"]["frame"]
        return _at(wires, said, WIRES, "tls", "h", [int(frame) for frame in aborts])

    def every_reset_is_the_firewall(wires):
        return _but(OnTheWire.solution(wires), {"a": "b", "c": "b", "d": "b"})

    def always_thinking(wires):
        return {name: ("j", "any") for name in wires}

    wrong_ways = {
        idle_is_the_intruder: "Tape 8: a reset from neither of the two, that is right. But look how long nothing was said before: "
        "something in between had forgotten the connection, and says so at the first frame that it can no longer place.",
        idle_is_the_archive: "Tape 8: the reset bears the archive's address, but a TTL that no frame of the archive had before. And a RST "
        "is TCP's; the archive's DICOM would say A-ABORT.",
        intruder_is_idle: "Tape 15: before the reset there is no silence at all, the segments come microseconds apart. Nothing was "
        "forgotten. Somebody did not like what passed.",
        intruder_is_the_archive: "Tape 15: both sides are reset at the same moment, under each other's addresses, with a TTL that neither "
        "had before. Neither of them sent that.",
        stuck_is_the_line: "Tape 9: what is sent again is always the same single byte. That is no loss: it is the sender's question "
        "whether there is room now (RFC 9293 section 3.8.6.1). Who had said that there is none?",
        stuck_is_the_size: "Tape 9: look at the size of what is sent again, it is one byte. And it is answered each time. Large "
        "segments went through before.",
        stuck_is_thinking: "Tape 9: near, it is the receiver. But while a program thinks about a request that it has read, TCP has room. "
        "Here the request has not arrived whole: the receiver does not even read it.",
        no_answer_is_a_refusal: "Tape 10: a refusal would be an answer, TCP's RST or DICOM's rejection. On this tape one side talks alone.",
        no_answer_is_the_line: "Tape 10: something is sent again, yes: the very first SYN, and nothing was ever answered. A bad line "
        "loses some, and lets others through.",
        size_is_the_line: "Tape 11: it is one and the same segment, six times, and never confirmed, while every small one came through at "
        "once. Chance does not choose by size.",
        size_is_the_archive: "Tape 11: the archive's TCP never confirmed these segments, so its program has never seen them. It cannot "
        "think about what it has not got.",
        line_is_the_size: "Tape 14: different segments are sent again, and each arrives in the end, full-sized ones too. A path that "
        "drops large packets drops all of them.",
        line_is_the_receiver: "Tape 14: the receiver never says zero, it always has room. What is sent again had not arrived.",
        line_is_thinking: "Tape 14: look at `timing`. The waiting for the response is short; it is the sending that takes seconds.",
        printer_is_the_intruder: "Tape 12: a reset with another TTL, yes, and a cause that lies deeper. Look at the first frames of the "
        "tape: who answers to whom?",
        printer_is_the_firewall: "Tape 12: less than a second of silence before the reset; a firewall waits for minutes. And what stands "
        "in the first frames of the tape?",
        printer_is_the_line: "Tape 12: one segment is sent again, because it went to the wrong station. Look at the first frames of the "
        "tape.",
        tls_is_a_refusal: "Tape 13: there is an A-ABORT, that is true. It answers something that was no PDU at all: look at the bytes "
        "with which the caller began.",
        tls_by_its_abort: "Tape 13: the cause is right. The A-ABORT says only that the archive could make nothing of what it got, and any "
        "rubbish would have got the same answer; its source 0 tells no more, since before a request even the protocol software writes 0 "
        "(PS3.8 Table 9-9, action AA-1). The frame that shows the cause is the one that it could not read.",
        every_reset_is_the_firewall: "Not every reset is a firewall's. Ask of each: how long was nothing said before, which TTL does it "
        "have, and what was sent again before it?",
        always_thinking: "A program that thinks has been *given* something to think about: the request has arrived whole, and TCP has "
        "confirmed it. On none of these tapes is that where the time goes.",
    }
    hints = [
        "`wires[\"tape 8\"].oddities` first: what an undisturbed network does not show. Then `.conversations`: how it began and how it "
        "ended.",
        "A RST: compare its TTL with that of the host whose address it bears, and look how long nothing was said before. That tells three "
        "causes apart.",
        "\"Sent again\": always the same segment or different ones? A large one or a single byte? Confirmed in the end or never?",
        "`tape.packets[29]` is frame 30 (Python counts from 0): its `payload` tells its size with `len(...)`, its `arp` what it says about "
        "addresses.",
    ]
    praise = (
        "Five of these are the network's, and you can say which part of it. Two are not: a stuck disk, a setting. And tape 10 alone can't "
        "say whose it is: a living host refuses a port at which nobody listens, with RST; silence means that something on the way "
        "drops the SYN, or that nobody is there. Ask the caller for its port first, then the firewall."
    )


IN_THE_MESSAGES = {
    "a": "the receiver would have to say that it is out of resources.",
    "b": "the receiver would have to say that the object is not what the request announced.",
    "c": "there would be a warning, and no failure.",
    "d": "somebody would have to be asked to *send* images to a third one whom it does not know.",
    "e": "everything that was asked would be answered, with success, and the answer be empty.",
    "f": "there would be an HL7 message, and an acknowledgement that is not AA.",
    "g": "a request would have to be without an answer.",
    "h": "the receiver would have to say that it does not take this kind of object.",
}


@lesson.exercise
class InTheMessages:
    """The connection stands, the messages pass. What is wrong on each of the six tapes in `words`, if anything, and **which frame proves
    it**? Pairs as before, with the letters of the table above. Here each question has an answer, and the answer proves: also that nothing
    is wrong.
    """

    answer = Fields("in_the_messages", {f"tape {number}": Proof(IN_THE_MESSAGES) for number in range(16, 22)}, in_order=True,
                    remark=_remark("words"))
    points = 3

    def solution(words):
        answers = {}                                        # of each tape: the frames of the responses
        for name, tape in words.items():
            messages = tape.messages
            answers[name] = messages[messages["status"] != ""]["frame"].tolist()
        hl7 = words["tape 20"].hl7
        return {
            "tape 16": ("c", answers["tape 16"]),           # B000, a warning: stored, and the patient's name changed
            "tape 17": ("e", answers["tape 17"]),           # frame 9, 0000 at once: the worklist has nothing for this device
            "tape 18": ("d", answers["tape 18"][-1:]),      # frame 16, A801 to the C-MOVE: the destination is not known
            "tape 19": ("b", answers["tape 19"]),           # A900: the data set is of another SOP class than was announced
            "tape 20": ("f", hl7[hl7["code"] == "AE"]["frame"].tolist()),   # frame 6, AE with 204 at MRG-1: such a patient is not known
            "tape 21": ("a", answers["tape 21"]),           # A700: out of resources
        }

    def warning_is_a_failure(words):
        return _at(words, InTheMessages.solution(words), WORDS, "status_b000", "b")

    def warning_is_nothing(words):
        return _at(words, InTheMessages.solution(words), WORDS, "status_b000", "e")

    def empty_is_the_network(words):
        return _at(words, InTheMessages.solution(words), WORDS, "worklist_empty", "g")

    def destination_is_the_class(words):
        return _at(words, InTheMessages.solution(words), WORDS, "move_unknown", "h")

    def destination_is_room(words):
        return _at(words, InTheMessages.solution(words), WORDS, "move_unknown", "a")

    def nine_is_the_class(words):
        return _at(words, InTheMessages.solution(words), WORDS, "status_a900", "h")

    def nine_is_room(words):
        return _at(words, InTheMessages.solution(words), WORDS, "status_a900", "a")

    def seven_is_the_data(words):
        return _at(words, InTheMessages.solution(words), WORDS, "status_a700", "b")

    def answered_is_well(words):
        return _at(words, InTheMessages.solution(words), WORDS, "mllp_a40", "e")

    def released_is_well(words):
        return {name: ("e", "any") for name in words}

    def the_requests(words):
        said = InTheMessages.solution(words)
        asked = {name: [*tape.messages[tape.messages["status"] == ""]["frame"], *tape.hl7[tape.hl7["code"] == ""]["frame"]]
                 for name, tape in words.items()}
        return {name: (cause, [int(frame) for frame in asked[name]]) for name, (cause, _) in said.items()}

    wrong_ways = {
        warning_is_a_failure: "Tape 16: the status begins with B, a *warning*. The object **is** stored. Whoever sends it again for that "
        "makes it no better (PS3.4 section B.2.3, PS3.7 Annex C).",
        warning_is_nothing: "Tape 16: near. The object is stored, but the receiver has changed something in it, and says so. What the "
        "scanner shows and what the archive has are no longer the same.",
        empty_is_the_network: "Tape 17: the query was answered within milliseconds, with a final response. The network has carried both. "
        "That an answer is *empty* is an answer.",
        destination_is_the_class: "Tape 18: nothing was refused because of its kind. Read the words for the status: something that the "
        "request *names* is not known to the one who was asked (PS3.4 section C.4.2).",
        destination_is_room: "Tape 18: A7 would be resources; this status begins with A8 (PS3.4 section C.4.2).",
        nine_is_the_class: "Tape 19: that the SOP class is not supported would be 0122. Here the receiver takes such objects; this one "
        "says in its data set that it is another than the request had announced (PS3.4 section B.2.3).",
        nine_is_room: "Tape 19: A7 would be resources; this status begins with A9 (PS3.4 section B.2.3).",
        seven_is_the_data: "Tape 21: A9 would be the data set; this status begins with A7 (PS3.4 section B.2.3). With the object nothing "
        "is wrong.",
        answered_is_well: "Tape 20: that there is an acknowledgement says that the message came. What became of it stands in its `code`, "
        "and the error that it names in `comment`.",
        released_is_well: "Every one of these associations was released in good order, and that says nothing about what was asked on it: "
        "each response has a status of its own.",
        the_requests: "The cause is right, but your frame is that of the request. What proves the cause is the answer: a response with its "
        "status, an acknowledgement with its code.",
    }
    hints = [
        "`words[\"tape 16\"].messages`, columns `message`, `status` and `meaning`. Where it is empty look at `.hl7`.",
        "The first letter of a status tells most: 0000 success, B warning, A and C failure, FF pending. The second tells what kind.",
        "A final C-FIND-RSP with 0000 and no response before it: nothing matches what was asked. An HL7 acknowledgement: AA took it, AE "
        "and AR did not.",
    ]
    praise = (
        "Most for the two programs, one for the interface engine, none for the network department. (Tape 17 proves that nothing matched. "
        "Whether the device asked by the right keys, station, modality and date, is the next question, and one for its configuration.)"
    )


# --- the parser

class Cut(Table):
    """A list of PDUs; an empty one is a list as well."""

    takes = "a list of dictionaries"
    WANTED = "type", "length", "values"

    def read(self, given):
        """The table as Rows."""
        if type(given) in (list, tuple) and not given:
            return Rows(["type", "length", "values"], [])
        value = plain(given) if type(given) in (dict, list, tuple) else None
        if type(value) is dict and not any(type(one) in (list, dict) for one in value.values()):
            raise Unreadable("That is one dictionary, and no list of dictionaries. Make the list before the loop, `append` a dictionary "
                             "for each PDU in it, and return the list behind it.")
        if type(value) is list and all(type(row) is dict for row in value):
            for row in value:
                names = {str(name).strip().casefold(): name for name in row}
                more = [name for key, name in names.items() if key not in self.WANTED]
                less = [key for key in self.WANTED if key not in names]
                if more:
                    raise Unreadable(f"A dictionary in the list has an entry {short(more[0])}, which was not asked for. Asked are "
                                     "`type`, `length` and `values`.")
                if less:
                    raise Unreadable(f"In a dictionary of the list the entry `{less[0]}` is missing. Asked are `type`, `length` and "
                                     "`values`.")
        return super().read(given)

    def difference(self, answer, other):
        """None when both lists hold the same; a walk that has lost its place is told by a type that there isn't."""
        found = super().difference(answer, other)
        arranged = self._arranged(answer, other)
        if found is None or isinstance(arranged, Difference):
            return found
        types = [row[[name.casefold() for name in other.columns].index("type")] for row in arranged]
        strange = next((one for one in types if type(one) in (int, float) and not 1 <= one <= 7), None)
        if strange is not None:
            return Difference(f"A PDU of type {strange} is in your list, and there are only 1 to 7: the walk has come to a place where no "
                              "PDU begins. Are the segments joined before it starts, and does each step go over the header as well?",
                              "type")
        if len(arranged) > len(other.rows) and super().difference(Rows(other.columns, arranged[:len(other.rows)]), other) is None:
            return Difference("After the last whole PDU your list goes on, with one whose end, or even whose header, is not there. A "
                              "slice beyond the end of the stream gives fewer bytes than you ask for, and no complaint.", "cut short")
        if len(arranged) != len(other.rows):
            how = "fewer" if len(arranged) < len(other.rows) else "more"
            return Difference(f"Your list has {len(arranged)} PDUs, {how} than there are whole ones in the joined stream.", "rows")
        return found


class Parser(Function):
    """A function of segments, in whose messages a case is told by its size and not by thousands of bytes."""

    def _as_written(self, case):
        segments = case[0]
        many = f"{len(segments)} segments" if len(segments) != 1 else "one segment"
        return f"a stream in {many}, {len(joined(segments)):,} bytes without a hole,"


def _walked(stream, number=None, step=None, values=None, whole=True, least=6):
    """PDUs of a stream, read in a way that may be wrong.

    number : how a length is read; step : how far it is to the next PDU; values : how values are counted
    whole  : whether a PDU that is cut short counts not; least : how many bytes must be there for a PDU to begin
    """
    number = number or (lambda at: int.from_bytes(stream[at + 2:at + 6], "big"))
    found, at = [], 0
    while at + least <= len(stream):
        length = number(at)
        if whole and at + 6 + length > len(stream):
            break
        count = _values(stream[at + 6:at + 6 + length]) if stream[at] == 4 else 0
        found.append({"type": stream[at], "length": length, "values": count if values is None else values(stream, at, length, count)})
        at += 6 + length if step is None else max(step(length), 1)
    return found


def _values(content, step=4, first=0):
    count, at = 0, 0
    while at < len(content):
        count += 1
        at += max(int.from_bytes(content[at + first:at + 4], "big") + step, 1)
    return count


def _conversation(draw, server):
    """PDUs as one side of an association sends them, encoded."""
    information = (ul.MaximumLength(32768), ul.ImplementationClass("2.999.9.1"), ul.ImplementationVersion("SOMEBODY"))
    uids = [f"1.2.840.10008.5.1.4.1.1.{draw.randrange(2, 130)}" for _ in range(draw.randrange(1, 5))]
    ids = [2 * place + 1 for place in range(len(uids))]
    if server:
        results = tuple(ul.ContextResult(one, 0, "1.2.840.10008.1.2") for one in ids)
        pdus = [ul.AssociateAccept("HV_PACS", "SOME_AE", results, information)]
    else:
        contexts = tuple(ul.Context(one, uid, ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")) for one, uid in zip(ids, uids))
        pdus = [ul.AssociateRequest("HV_PACS", "SOME_AE", contexts, information)]
    for _ in range(draw.randrange(3, 7)):
        id_ = draw.choice(ids)
        command = ul.Pdv(id_, True, True, draw.randbytes(2 * draw.randrange(35, 60)))
        if server:
            pdus.append(ul.Data((command,)))
            continue
        parts = [ul.Pdv(id_, False, False, draw.randbytes(2 * draw.randrange(100, 3000))) for _ in range(draw.randrange(1, 4))]
        if draw.random() < 0.6:                             # the command and the first piece of the data set in one PDU
            pdus.append(ul.Data((command, *parts)))
        else:
            pdus += [ul.Data((command,)), *(ul.Data((part,)) for part in parts)]
    pdus.append(draw.choice((ul.ReleaseReply() if server else ul.ReleaseRequest(), ul.Abort(0))))
    return b"".join(pdu.encode() for pdu in pdus)


def _with_a_large_value(draw):
    """PDUs of a client that sends an object in one large value, longer than two bytes can say."""
    contexts = (ul.Context(1, "1.2.840.10008.5.1.4.1.1.2", ("1.2.840.10008.1.2",)),)
    information = ul.MaximumLength(0), ul.ImplementationClass("2.999.9.1"), ul.ImplementationVersion("SOMEBODY")
    command = ul.Pdv(1, True, True, draw.randbytes(2 * draw.randrange(35, 60)))
    large = ul.Pdv(1, False, False, draw.randbytes(2 * draw.randrange(66_500, 69_000)))
    last = ul.Pdv(1, False, True, draw.randbytes(2 * draw.randrange(100, 900)))
    pdus = ul.AssociateRequest("HV_PACS", "SOME_AE", contexts, information), ul.Data((command,)), ul.Data((large, last))
    return b"".join(pdu.encode() for pdu in (*pdus, ul.ReleaseRequest()))


def _as_toolkits_may_send(draw):
    """PDUs of a client, with an empty last value, and with reserved bytes that are not 0: nobody is to test them (PS3.8 section 9.3)."""
    parts = [ul.Pdv(1, False, False, draw.randbytes(2 * draw.randrange(100, 900))), ul.Pdv(1, False, True, b"")]
    found = [ul.Data((ul.Pdv(1, True, True, draw.randbytes(90)), *parts)), ul.Data((ul.Pdv(1, True, True, draw.randbytes(80)),)),
             ul.Data((parts[1],)), ul.ReleaseRequest()]
    return b"".join(octets[:1] + bytes((draw.randrange(1, 256),)) + octets[2:] for octets in (pdu.encode() for pdu in found))


def _huge_and_cut_short(draw):
    """The same, and then the beginning of a PDU of 16 MB, which the other side takes if its maximum length is 0 (PS3.8 Annex D.1)."""
    length = (1 << 24) + 2 * draw.randrange(20, 60)
    begun = b"\4\0" + length.to_bytes(4, "big") + (length - 4).to_bytes(4, "big") + b"\1\0" + draw.randbytes(draw.randrange(300, 900))
    return _conversation(draw, server=False)[:-10] + begun


def _cut_otherwise(draw, stream):
    """The stream in segments, one of them lost and sent again together with the end of the one before."""
    found = _segmented(draw, stream)
    place = draw.randrange(1, len(found) - 1)
    start, octets = found[place]
    early = start - draw.randrange(50, 250)
    found[place] = early, stream[early:start + len(octets)]
    return found


def _segmented(draw, stream):
    """The stream in segments whose ends have nothing to do with the PDUs: list of (position, bytes)."""
    found, at = [], 0
    while at < len(stream):
        size = draw.randrange(300, 1461)
        found.append((at, stream[at:at + size]))
        at += size
    return found


def _disturbed(draw, segments):
    """Some overtaken by the next, some sent twice, some sent again as part of a larger one."""
    found = list(segments)
    for place in range(1, len(found), 4):
        found[place - 1], found[place] = found[place], found[place - 1]
    for _ in range(3):
        place = draw.randrange(len(segments) - 1)
        (start, octets), (_, more) = segments[place:place + 2]
        found.insert(draw.randrange(place + 1, len(found) + 1), (start, octets if draw.random() < 0.5 else octets + more))
    return found


@lesson.exercise
class PdusOfAStream:
    """Write the function `pdus(segments)`. It gets what one side of a connection sent, segment by segment as a sniffer caught it, and
    returns a list with a dictionary for each PDU, in order:

    - `type`: the number of its type, 1 to 7;
    - `length`: the length that its header says;
    - `values`: how many presentation data values (PDVs) a P-DATA-TF holds, 0 for every other type.

    `joined` from above may be used. A PDU of which even one byte is missing does not count. The function is tried on streams that you have
    not seen, of clients and servers: cut anywhere, with several PDUs in one segment, out of order, sent twice, sent again with other ends.
    """

    answer = Parser("pdus", result=Cut("", ordered=True))
    points = 4

    def solution(segments):
        stream = joined(segments)
        found = []
        at = 0
        while at + 6 <= len(stream):
            length = int.from_bytes(stream[at + 2:at + 6], "big")
            end = at + 6 + length
            if end > len(stream):                           # the rest of this PDU is not there
                break
            values = 0
            if stream[at] == 4:
                place = at + 6
                while place < end:
                    item = int.from_bytes(stream[place:place + 4], "big")
                    values = values + 1
                    place = place + 4 + item
            found.append({"type": stream[at], "length": length, "values": values})
            at = end
        return found

    def cases(draw, segments):
        found = [(segments,), ([(0, ul.AssociateReject(1, 1, 3).encode())],)]
        for number in range(9):
            stream = _conversation(draw, server=number % 3 == 2)
            if number in (4, 6):                            # the capture ends before the stream does: in a PDU, or in the header of one
                stream = stream[:-draw.randrange(11, 400)] if number == 6 else stream[:-6]
            cut = _segmented(draw, stream)
            if number >= 3 and len(cut) > 3:
                cut = _disturbed(draw, cut)
            if number == 7 and len(cut) > 6:                # and this one has a hole
                hole = sorted(cut)[len(cut) // 2][0]
                cut = [(position, octets) for position, octets in cut if not position <= hole < position + len(octets)]
            found.append((cut,))
        for missing in (1, draw.randrange(2, 6)):           # of the last PDU only a few bytes are missing
            found.append((_segmented(draw, _conversation(draw, server=False)[:-missing]),))
        found.append((_segmented(draw, _as_toolkits_may_send(draw)),))
        found.append((_segmented(draw, _with_a_large_value(draw)),))
        found.append((_segmented(draw, _huge_and_cut_short(draw)),))
        found.append((_cut_otherwise(draw, _with_a_large_value(draw)),))
        return found

    def one_a_segment(segments):
        return [{"type": octets[0], "length": int.from_bytes(octets[2:6], "big"), "values": int(octets[0] == 4)} for _, octets in segments]

    def first_of_each_segment(segments):
        found = []
        for position, octets in sorted(segments):
            length = int.from_bytes(octets[2:6], "big")
            if octets[0] in ul.NAMES and octets[1] == 0 and length < 1 << 20:
                found.append({"type": octets[0], "length": length, "values": int(octets[0] == 4)})
        return found

    def each_segment_by_itself(segments):
        return [pdu for _, octets in segments for pdu in _walked(octets)]

    def each_segment_to_its_end(segments):
        return [pdu for _, octets in segments for pdu in _walked(octets, whole=False)]

    def as_they_came(segments):
        return _walked(b"".join(octets for _, octets in segments))

    def sorted_and_doubled(segments):
        return _walked(b"".join(octets for _, octets in sorted(segments)))

    def without_a_look_for_holes(segments):
        stream = b""
        for position, octets in sorted(segments):
            stream += octets[max(len(stream) - position, 0):]
        return _walked(stream)

    def header_forgotten(segments):
        return _walked(joined(segments), step=lambda length: length)

    def header_counted(segments):
        return [{**pdu, "length": pdu["length"] + 6} for pdu in _walked(joined(segments))]

    def reserved_byte_counted(segments):
        stream = joined(segments)
        return _walked(stream, number=lambda at: int.from_bytes(stream[at + 1:at + 5], "big"))

    def low_byte_first(segments):
        stream = joined(segments)
        return _walked(stream, number=lambda at: int.from_bytes(stream[at + 2:at + 6], "little"))

    def two_bytes_of_length(segments):
        stream = joined(segments)
        return _walked(stream, number=lambda at: int.from_bytes(stream[at + 2:at + 4], "big"))

    def last_two_bytes_of_length(segments):
        stream = joined(segments)
        return _walked(stream, number=lambda at: int.from_bytes(stream[at + 4:at + 6], "big"))

    def last_three_bytes_of_length(segments):
        stream = joined(segments)
        return _walked(stream, number=lambda at: int.from_bytes(stream[at + 3:at + 6], "big"))

    def last_two_bytes_of_a_value(segments):
        return _walked(joined(segments), values=lambda stream, at, length, count:
                       _values(stream[at + 6:at + 6 + length], first=2) if count else 0)

    def overlap_dropped(segments):
        stream = b""
        for position, octets in sorted(segments):
            if position == len(stream):
                stream += octets
        return _walked(stream)

    def cut_short_too(segments):
        return _walked(joined(segments), whole=False)

    def to_the_last_byte(segments):
        return _walked(joined(segments), whole=False, least=1)

    def exact_end_is_cut_short(segments):
        stream = joined(segments)
        found = _walked(stream)
        return found[:-1] if sum(6 + pdu["length"] for pdu in found) == len(stream) else found

    def one_value_each(segments):
        return [{**pdu, "values": int(pdu["type"] == 4)} for pdu in _walked(joined(segments))]

    def item_header_forgotten(segments):
        return _walked(joined(segments), values=lambda stream, at, length, count:
                       _values(stream[at + 6:at + 6 + length], step=0) if count else 0)

    def values_of_all(segments):
        return _walked(joined(segments), values=lambda stream, at, length, count: _values(stream[at + 6:at + 6 + length]))

    wrong_ways = {
        one_a_segment: "You took each segment for a PDU. TCP knows nothing of PDUs: it cuts a stream of bytes where it likes, and puts "
        "the end of one PDU and the beginning of the next into one segment. Join first, then walk.",
        first_of_each_segment: "You look for a PDU at the beginning of each segment. Most segments begin in the middle of one, and some "
        "hold the beginnings of several. Join first, then walk.",
        each_segment_by_itself: "You walk through each segment by itself. A PDU that needs two segments is in neither of them, and "
        "a segment may begin in the middle of one. Join first, then walk once.",
        each_segment_to_its_end: "You walk through each segment by itself, and begin to read at its first byte, whatever that is. "
        "TCP knows nothing of PDUs. Join first, then walk once.",
        as_they_came: "You joined the segments as they came. A sniffer sees some twice, because they were sent again, and some late: sort "
        "by position and take every byte once. `joined` does both.",
        sorted_and_doubled: "The segments are sorted, but what was sent twice is in your stream twice. Take every byte once, as `joined` "
        "does.",
        without_a_look_for_holes: "You joined across a hole. What comes behind missing bytes is no longer where the lengths say; stop "
        "there, as `joined` does.",
        header_forgotten: "Your list ends after the first PDU, whatever the stream. Does your `return` stand inside the loop? Or is the "
        "step too short: the length counts what *follows* it (PS3.8 section 9.3.1), and the header's own six bytes come on top. Without "
        "them the next PDU seems to begin six bytes too early.",
        header_counted: "You return the length with the header's six bytes. Asked is what the header says.",
        reserved_byte_counted: "You read the length one byte too early. Behind the type there is a reserved byte; the length has the four "
        "after that (PS3.8 section 9.3.1).",
        low_byte_first: "Your list is empty, whatever the stream. Are the lengths read with the low byte first, as in a data set? Then no "
        "end is ever reached: the upper layer has the high byte first, always (PS3.8 section 9.3.1). Or is an `append` missing?",
        two_bytes_of_length: "You read two bytes of length. It has four; two are those of the items *inside* an association request.",
        last_two_bytes_of_length: "You read the last two bytes of the length. It has four: as long as PDUs are short, the first two are "
        "zero and nobody notices. A PDU may be longer than 65,535 bytes.",
        last_three_bytes_of_length: "You read the last three bytes of the length. It has four: in short PDUs the first is zero and nobody "
        "notices, but a side may take PDUs of any length (PS3.8 Annex D.1).",
        last_two_bytes_of_a_value: "You read two bytes of a value's length. It has four (PS3.8 Table 9-23): as long as values are short, "
        "the first two are zero and nobody notices. A value may be longer than 65,535 bytes.",
        overlap_dropped: "You take a segment only if it begins exactly where the stream ends. One that was sent again may begin earlier "
        "and end later: then a part of it is known and the rest is new. `joined` takes the rest.",
        cut_short_too: "You return PDUs whose end is not there. A length is a promise; whether it was kept only the bytes tell. Compare "
        "the end, header included, with the length of the stream.",
        to_the_last_byte: "You walk while there is any byte left. Where the capture stops in the middle, the last PDU is cut short, or "
        "of its header only some bytes are there. Six bytes must be there to read a header, and then as many as it promises.",
        exact_end_is_cut_short: "The last PDU of your list is missing where it ends exactly with the stream. An end that is *equal* to the "
        "length of the stream is no cut: only beyond it bytes are missing.",
        one_value_each: "Your list has one value for each P-DATA-TF. It may hold several, one behind the other: a command and the data "
        "set's first piece, for instance (PS3.8 section 9.3.5). Walk through them by their own lengths; the first of these begins right "
        "behind the header's six bytes.",
        item_header_forgotten: "A value's length counts what follows it, too: its own four bytes come on top (PS3.8 Table 9-23).",
        values_of_all: "You count values in PDUs of every type. Only a P-DATA-TF, type 4, has them.",
    }
    hints = [
        "Two loops, one in the other. The outer one goes from PDU to PDU: `at` is where one begins, and the next begins at `at + 6 + "
        "length`.",
        "`stream = joined(segments)`, `at = 0`, `while at + 6 <= len(stream):`. Inside: the length from `stream[at + 2:at + 6]`, the end, "
        "and `if end > len(stream): break`.",
        "The inner loop only for type 4: `place = at + 6`, `while place < end:`. Four bytes are the length of the value, and the next one "
        "begins four plus that length further.",
        "At the end of the outer loop `found.append({...})` with the three entries, and then `at = end`. Behind the loop `return found`.",
    ]
    praise = "That is what every DICOM receiver does, and a sniffer too. Wireshark's dissector has had to learn each of these."


# --- the day

def hour_of(value):
    """A reading: the hour of "07", "7", "07:00", "7 h" or "3 pm" as a number; everything that is no text stays."""
    found = re.fullmatch(r"0?(\d{1,2})(?::00){0,2}\s*(h|o'clock|am|pm)?", value.strip().casefold()) if type(value) is str else None
    if not found:
        return value
    return int(found[1]) % 12 + 12 * (found[2] == "pm") if found[2] in ("am", "pm") else int(found[1])


class Hours(Table):
    """The hours in which a limit was reached. Several mistakes that come together are told by the first of them."""

    def difference(self, answer, other):
        """None when both tables hold the same; an hour that does not belong is told by what is wrong with it."""
        found = super().difference(answer, other)
        if found is None or found.label != "extra row":
            return found
        place, full = (other.columns.index(name) for name in ("hour", "full"))
        hours = {row[place] for row in other.rows}
        rows = [self._cells(row, other.columns) for row in self._arranged(answer, other)]
        wrong = next(row for row in rows if row[place] not in hours)
        if wrong[full] == 0:
            return Difference(f"In the row of hour {short(wrong[place])} `full` is 0: no such rejection was in it. Only hours in which "
                              "there was one belong into the table.", "extra row")
        return Difference(f"In hour {short(wrong[place])} HV_PACS rejected nothing because of its limit. By which clock did you take the "
                          "hour, and which rejections of which servers did you count?", "extra row")

    def judge(self, exercise, given, editions):
        """As for every kind; what no wrong way explains may be two or three of them together."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label not in ("extra row", "missing row", "repeated row", "value"):
            return verdict
        answer = self.read(*given)
        rows = _rows(exercise.lesson.input_of("calls", editions.own))
        feedback = {way.__name__: text for way, text in exercise.wrong_ways.items()}
        for changes in itertools.product(*MISTAKES.values()):
            made = [way for way, _ in changes if way]
            table = _counted(rows, **dict(zip(MISTAKES, (value for _, value in changes))))
            if len(made) > 1 and Table.difference(self, answer, Rows(["hour", "asked", "full"], table)) is None:
                return Verdict(Outcome.NOT_YET, f"More than one thing is not right yet. Look at this first. {feedback[made[0]]}", made[0])
        return verdict


@lesson.exercise
class TheRandomPattern:
    """In which **hours of the day** did HV_PACS reject associations **because its limit was reached**?

    A table `pattern` with a row for each such hour:

    - `hour`: 0 to 23, by the clocks on the hospital's walls (in April two hours ahead of UTC);
    - `asked`: how many associations were asked of HV_PACS in that hour, whatever came of them;
    - `full`: how many of these it rejected because its limit was reached.
    """

    answer = Hours("pattern", key=["hour"], reading={"hour": hour_of})
    points = 3

    def solution(calls):
        import pandas as pd
        mine = calls[calls["server"] == "HV_PACS"].copy()
        mine["hour"] = (pd.to_datetime(mine["utc"]) + pd.Timedelta(hours=2)).dt.hour
        mine["refused"] = mine["detail"].str.startswith("2/3/2")
        pattern = mine.groupby("hour").agg(asked=("refused", "size"), full=("refused", "sum")).reset_index()
        pattern = pattern[pattern["full"] > 0]
        return pattern

    def in_utc(calls):
        return _pattern(calls, hours=0)

    def the_wrong_way_round(calls):
        return _pattern(calls, hours=-2)

    def winter_time(calls):
        return _pattern(calls, hours=1)

    def every_rejection(calls):
        return _pattern(calls, code="")

    def every_transient_one(calls):
        return _pattern(calls, code="2")

    def congestion_alone(calls):
        return _pattern(calls, code="2/3/1")

    def every_permanent_one(calls):
        return _pattern(calls, code="1")

    def of_all_servers(calls):
        return _pattern(calls, by="all", asked="of all servers")

    def rejected_by_all_servers(calls):
        return _pattern(calls, by="all")

    def asked_of_all_servers(calls):
        return _pattern(calls, asked="of all servers")

    def accepted_only(calls):
        return _pattern(calls, asked="accepted")

    def rejected_only(calls):
        return _pattern(calls, asked="rejected")

    def without_the_forgotten_one(calls):
        return _pattern(calls, asked="without the forgotten one")

    def asked_in_utc(calls):
        return _pattern(calls, asked="in UTC")

    def without_the_full(calls):
        return _pattern(calls, asked="without the full")

    def asked_is_full(calls):
        return _pattern(calls, asked="full")

    def all_hours(calls):
        return _pattern(calls, least=0)

    def the_busiest_hour(calls):
        return _pattern(calls, least=0).nlargest(1, "asked")

    wrong_ways = {
        in_utc: "Those are hours of UTC. A capture keeps its times in UTC; on the hospital's walls it is two hours later. Nobody in the "
        "ED would recognise your hours.",
        the_wrong_way_round: "You went to the wrong side: the hospital's clocks are two hours *ahead* of UTC.",
        winter_time: "One hour is winter time. Since 30 March the clocks are two hours ahead of UTC.",
        every_rejection: "You counted every rejection. Most of them are one forgotten device that calls by a wrong title all day: it hides "
        "the pattern. The numbers in `detail` tell them apart.",
        every_transient_one: "You counted every transient rejection. Two reasons are transient with source 3: temporary congestion, and "
        "the limit (PS3.8 Table 9-21). Asked is the limit.",
        congestion_alone: "You counted 2/3/1. With source 3, reason 1 is temporary congestion; the limit has another reason (PS3.8 Table "
        "9-21).",
        every_permanent_one: "Result 1 is permanent: what is wrong stays wrong until somebody changes it. A limit that is reached is "
        "transient.",
        of_all_servers: "You counted the rejections of all servers. Who rejects whom? The worklist has a limit of its own.",
        rejected_by_all_servers: "In `full` you counted the rejections of every server. Who rejects whom? The worklist and the neutral "
        "archive have limits of their own.",
        asked_of_all_servers: "In `asked` you counted what was asked of any server. Asked is HV_PACS.",
        accepted_only: "In `asked` you counted what was accepted. Who was rejected had asked, too.",
        rejected_only: "In `asked` you counted the rejections. Who was accepted had asked, too.",
        without_the_forgotten_one: "In `asked` you left the forgotten device out. It calls in vain, but it does call: `asked` is "
        "whatever came of it.",
        without_the_full: "In `asked` you left out those that were rejected for the limit. They had asked, too: `asked` is whatever came "
        "of it.",
        asked_in_utc: "In `asked` are the counts of other hours: those of UTC. `hour` and `full` go by the clocks on the walls; count "
        "`asked` by the same hour.",
        asked_is_full: "`asked` and `full` are the same in your table. Asked for was more than what was rejected for the limit: who was "
        "accepted, or rejected for another reason, had asked too.",
        all_hours: "In your table are hours in which `full` is 0. Only hours in which there was such a rejection belong into it.",
        the_busiest_hour: "That is the hour in which most associations were asked for. Was any of them rejected for the limit? Many short "
        "ones one after the other never reach a limit; a few that stay open do.",
    }
    hints = [
        "Three steps: only the rows of HV_PACS, then the hour, then count. `calls[\"detail\"]` begins with the three numbers of a "
        "rejection.",
        "The hour: `pd.to_datetime(calls[\"utc\"])` makes times of text, `+ pd.Timedelta(hours=2)` moves them, `.dt.hour` takes the hour.",
        "`mine[\"detail\"].str.startswith(\"...\")` is True or False for each row; the sum of True and False is how many are True.",
        "`mine.groupby(\"hour\").agg(asked=(\"refused\", \"size\"), full=(\"refused\", \"sum\")).reset_index()`, and then only the rows "
        "in which `full` is above 0.",
    ]
    praise = (
        "Not in the busiest hour: at the change of shift, when viewers open associations and keep them, as in the picture of tape 2. That "
        "is why nobody ever sees it at ten."
    )


MISTAKES = {                            # what may be counted otherwise -> (the wrong way that does so, or None; the value)
    "hours": ((None, SUMMER), ("in_utc", 0), ("the_wrong_way_round", -2), ("winter_time", 1)),
    "code": ((None, "2/3/2"), ("every_rejection", ""), ("every_transient_one", "2"), ("congestion_alone", "2/3/1"),
             ("every_permanent_one", "1")),
    "by": ((None, PACS_TITLE), ("rejected_by_all_servers", "all")),
    "asked": ((None, "of HV_PACS"), ("asked_of_all_servers", "of all servers"), ("accepted_only", "accepted"),
              ("rejected_only", "rejected"), ("without_the_forgotten_one", "without the forgotten one"), ("asked_in_utc", "in UTC"),
              ("without_the_full", "without the full"),
              ("asked_is_full", "full")),
    "least": ((None, 1), ("all_hours", 0)),
}


def _pattern(calls, **changes):
    """The table of TheRandomPattern as a misconception has it; `changes` as _counted takes them."""
    import pandas as pd

    return pd.DataFrame(_counted(_rows(calls), **changes), columns=["hour", "asked", "full"])


def _rows(calls):
    """(hour in UTC, client, server, numbers of the rejection or "") of each association."""
    return [(int(row["utc"][11:13]), row["client"], row["server"], row["detail"].split(":")[0] if row["pdu"] == "A-ASSOCIATE-RJ" else "")
            for row in calls.to_dict("records")]


def _counted(rows, hours=SUMMER, code="2/3/2", by=PACS_TITLE, asked="of HV_PACS", least=1):
    """Rows of the table, counted in a way that may be wrong.

    hours : added to UTC; code : how the numbers of the rejections begin that count; by : whose rejections count, or "all"
    asked : which associations are counted as asked, a word of MISTAKES; least : how many rejections an hour in the table has
    """
    counts = {}
    for utc, client, server, numbers in rows:
        count = counts.setdefault((utc + hours) % 24, [0, 0])
        counted = counts.setdefault(utc, [0, 0]) if asked == "in UTC" else count
        full = numbers != "" and numbers.startswith(code) and by in (server, "all")
        counted[0] += {"of HV_PACS": server == PACS_TITLE, "of all servers": True, "accepted": server == PACS_TITLE and not numbers,
                     "rejected": server == PACS_TITLE and numbers != "",
                     "without the forgotten one": server == PACS_TITLE and client != FORGOTTEN[0], "in UTC": server == PACS_TITLE,
                     "without the full": server == PACS_TITLE and not full, "full": full}[asked]
        count[1] += full
    # an hour of which nothing was asked makes no row: nobody who counts rows sees it
    return [(hour, *count) for hour, count in sorted(counts.items()) if count[1] >= least and count[0] + count[1]]


# --- network or PACS

PLACES = {
    "network": ("network", "line", "way", "path", "distance", "round trip", "wan", "link", "transport"),
    "archive": ("archive", "pacs", "hv_pacs", "hv pacs", "receiver", "server", "scp", "archive's program", "receiver's program"),
    "sender": ("sender", "modality", "scanner", "camera", "gamma camera", "device", "console", "scu", "client", "sender's program",
               "ecc_ct1", "mg1", "nm1"),
}


def place(value):
    """"network", "archive" or "sender", from what people call them."""
    text = " ".join(str(value).strip(" .'\"").casefold().split()).removeprefix("the ")
    for name, words in PLACES.items():
        if text in words:
            return name
    raise ValueError('give one of "network", "archive", "sender"')


PLACE_NEEDS = {  # what would show that the time goes there
    "network": "in `timing` the `sending` of an image would have to take many round trips.",
    "archive": "the `waiting` for the C-STORE response would have to be long, many times the round trip.",
    "sender": "between a response and the *next* request there would have to be much more time than one round trip.",
}
PLACE = Text("", reading=place, remark=lambda said, right: f"for {said}, {PLACE_NEEDS[said]}")


class Rate(Number):
    """A number of kB/s; one in another unit is told by it."""

    OTHER = ((1000, "bytes a second"), (1 / 1000, "MB/s"), (1000 / 1024, "KiB/s, of 1024 bytes each"), (1000 / 1024**2, "MiB/s"),
             (8, "kilobits a second"), (8000, "bits a second"), (8 / 1000, "Mbit/s"))

    def difference(self, answer, other):
        """None when the numbers agree."""
        found = super().difference(answer, other)
        if found is None:
            return None
        for factor, unit in self.OTHER:
            if any(self._near(number, other[0] * factor, 0.001) for number in answer):
                return Difference(f"That would be right in {unit}. Asked are kB/s: how many thousand bytes in a second.", "unit")
        if found.label == "value":
            return Difference("That is not how many kB/s, thousand bytes in a second, fit through. Window and round trip are those of "
                              "ECC_CT1.", "value")
        return found


@lesson.exercise
class NetworkOrPacs:
    """All three senders in `slow` complain that *the network* is slow. Where does the time go? One dictionary:

    - `ECC_CT1`, `MG1`, `NM1`: for each of the three, whose is most of the time: `"network"`, `"archive"` or `"sender"`;
    - `thinking`: how many **seconds** the archive took over MG1's six images in all, from the last byte of each to the response;
    - `at_most`: how many **kB/s** (thousand bytes a second) one connection from ECC_CT1 can carry at most, with one window for each
      round trip.

    Two digits after the point are enough for `thinking`, whole kB/s for `at_most`.
    """

    answer = Fields("times", {**{name: PLACE for name in SLOW}, "thinking": Number("", unit="s", tolerance=0.05),
                              "at_most": Rate("", unit="kB/s", tolerance=30)})
    points = 3

    def solution(slow):
        timing = slow.timing
        stores = timing[timing["step"] == "C-STORE-RQ"]
        mg1 = stores[stores["stream"] == 1]                                 # the streams are those of `slow.conversations`
        handshake = timing[(timing["step"] == "TCP handshake") & (timing["stream"] == 0)]
        window = 65_535                                                     # `Win=` of the SYN, ACK; there is no scaling
        return {
            "ECC_CT1": "network",       # sending takes many round trips, waiting little
            "MG1": "archive",           # sent in hundredths of a second, and then two seconds of waiting for each response
            "NM1": "sender",            # answered at once; the next request comes seconds later
            "thinking": mg1["waiting"].sum(),
            "at_most": window / handshake["waiting"].iloc[0] / 1000,
        }

    def pacs_is_the_network(slow):
        return {**NetworkOrPacs.solution(slow), "MG1": "network"}

    def pacs_is_the_sender(slow):
        return {**NetworkOrPacs.solution(slow), "MG1": "sender"}

    def pause_is_the_archive(slow):
        return {**NetworkOrPacs.solution(slow), "NM1": "archive"}

    def pause_is_the_network(slow):
        return {**NetworkOrPacs.solution(slow), "NM1": "network"}

    def distance_is_the_archive(slow):
        return {**NetworkOrPacs.solution(slow), "ECC_CT1": "archive"}

    def distance_is_the_sender(slow):
        return {**NetworkOrPacs.solution(slow), "ECC_CT1": "sender"}

    def all_the_network(slow):
        return {**NetworkOrPacs.solution(slow), **dict.fromkeys(SLOW, "network")}

    def whole_connection(slow):
        return {**NetworkOrPacs.solution(slow), "thinking": slow.conversations["duration"][1]}

    def with_the_association(slow):
        timing = slow.timing
        return {**NetworkOrPacs.solution(slow), "thinking": timing[timing["stream"] == 1]["waiting"].sum()}

    def with_the_sending(slow):
        timing = slow.timing
        mg1 = timing[(timing["stream"] == 1) & (timing["step"] == "C-STORE-RQ")]
        return {**NetworkOrPacs.solution(slow), "thinking": (mg1["sending"] + mg1["waiting"]).sum()}

    def of_one_image(slow):
        return {**NetworkOrPacs.solution(slow), "thinking": NetworkOrPacs.solution(slow)["thinking"] / IMAGES}

    def of_all_three(slow):
        stores = slow.timing[slow.timing["step"] == "C-STORE-RQ"]
        return {**NetworkOrPacs.solution(slow), "thinking": stores["waiting"].sum()}

    def of_the_far_one(slow):
        timing = slow.timing
        return {**NetworkOrPacs.solution(slow),
                "thinking": timing[(timing["stream"] == 0) & (timing["step"] == "C-STORE-RQ")]["waiting"].sum()}

    def one_way(slow):
        return {**NetworkOrPacs.solution(slow), "at_most": NetworkOrPacs.solution(slow)["at_most"] * 2}

    def in_kilobits(slow):
        return {**NetworkOrPacs.solution(slow), "at_most": NetworkOrPacs.solution(slow)["at_most"] * 8}

    def measured(slow):
        talk = slow.conversations.iloc[0]
        return {**NetworkOrPacs.solution(slow), "at_most": talk["sent_client"] / talk["duration"] / 1000}

    def of_the_association(slow):
        answer = slow.timing[(slow.timing["stream"] == 0) & (slow.timing["step"] == "association")]
        return {**NetworkOrPacs.solution(slow), "at_most": 65_535 / answer["waiting"].iloc[0] / 1000}

    def window_of_the_syn(slow):
        syn = slow.talks[0].packets[0].tcp
        return {**NetworkOrPacs.solution(slow), "at_most": NetworkOrPacs.solution(slow)["at_most"] * syn.window / 65_535}

    def of_a_near_one(slow):
        near = slow.timing[(slow.timing["stream"] == 1) & (slow.timing["step"] == "TCP handshake")]
        return {**NetworkOrPacs.solution(slow), "at_most": 65_535 / near["waiting"].iloc[0] / 1000}

    def scaled(slow):
        return {**NetworkOrPacs.solution(slow), "at_most": NetworkOrPacs.solution(slow)["at_most"] * 256}

    wrong_ways = {
        all_the_network: "Three complaints, and the network is to blame for all three? Look in `timing` at `sending` and `waiting` of "
        "each, and at the time between one request and the next.",
        pacs_is_the_network: "MG1: each image is sent within hundredths of a second, and its round trip is half a millisecond. The network "
        "has delivered it, and TCP at the archive has confirmed it. Who has the image now, and does not answer?",
        pacs_is_the_sender: "MG1: the next request follows at once when the response has come. It is not MG1 that one waits for.",
        pause_is_the_archive: "NM1: the archive answers each image within hundredths of a second. The round trip is a thousandth, and then "
        "seconds pass before the next request: who has the next move?",
        pause_is_the_network: "NM1: sent in less than a millisecond, answered within hundredths of a second. While the pauses last "
        "nothing is under way.",
        distance_is_the_archive: "ECC_CT1: compare `sending` and `waiting`. When the last byte has arrived, the archive answers within "
        "hundredths of a second.",
        distance_is_the_sender: "ECC_CT1: the next request comes little more than one round trip after the response, and quicker is not "
        "possible. Compare `sending` with the round trip.",
        whole_connection: "`thinking`: that is how long the connection lasted, handshake, sending and all. Asked is the waiting for the "
        "six responses.",
        with_the_association: "`thinking`: the rows of the TCP handshake and of the association are in your sum. Asked are the six "
        "images: the rows with the `step` C-STORE-RQ.",
        with_the_sending: "`thinking`: you added the sending. Asked is the time from the *last* byte of each image to the response, and "
        "that is `waiting` alone.",
        of_one_image: "`thinking`: that is the mean of one image. Asked are all six.",
        of_all_three: "`thinking`: those are the images of all three senders. Asked are MG1's.",
        of_the_far_one: "`thinking`: those are the images of another sender. Asked are MG1's: which `stream` is it in `conversations`?",
        one_way: "`at_most`: you took half the round trip. An acknowledgement has to come *back* before more may be sent.",
        in_kilobits: "`at_most`: those are kilobits. Asked are kilobytes: kB/s.",
        measured: "`at_most`: that is what was measured, over the whole connection. Asked is what one window for each round trip gives.",
        of_the_association: "`at_most`: you took the time of the association. It was measured beside the archive, so it is how long the "
        "archive's program took. The round trip is that of the TCP handshake.",
        window_of_the_syn: "`at_most`: you took the window of the SYN. That is how much ECC_CT1 takes, and it is the one who sends. How "
        "much it may have under way says the *other* side: the SYN, ACK.",
        of_a_near_one: "`at_most`: that is the round trip of another sender. Which `stream` is ECC_CT1?",
        scaled: "`at_most`: scaling of the window holds only if *both* ends offer it (RFC 7323). Look at the `WS=` of both rows.",
    }
    hints = [
        "`slow.timing`, stream by stream. `sending` is the way of the request, `waiting` how long the response took after its last byte. "
        "What is left of the time lies between the rows.",
        "`timing[(timing[\"stream\"] == 1) & (timing[\"step\"] == \"C-STORE-RQ\")][\"waiting\"].sum()` adds up one column of one sender.",
        "At most: window / round trip. The window stands in the listing, `Win=`, in bytes; the round trip is `waiting` of that sender's "
        "TCP handshake, in seconds. Divide by 1000 for kB.",
    ]
    praise = (
        "Three tickets, with numbers. One for the network as it is defined here, window and round trip: the line is not at fault, and the "
        "remedy is scaling of the window at *both* ends (RFC 7323). One for the archive, one for the maker of the camera."
    )


# --- the display filter

FIELDS = ("dicom", "dicom.pdu.type",
          "dicom.assoc.reject", "dicom.assoc.reject.result", "dicom.assoc.reject.source", "dicom.assoc.reject.reason",
          "dicom.assoc.abort", "dicom.assoc.abort.source", "dicom.assoc.abort.reason", "dicom.assoc.ae.called", "dicom.assoc.ae.calling",
          "ip", "ip.src", "ip.dst", "ip.addr", "ip.src_host", "ip.dst_host", "ip.host", "tcp", "tcp.srcport", "tcp.dstport", "tcp.port")
_TOKEN = re.compile(r"\s*(?:(?P<sign>===|==|!=|>=|<=|&&|\|\||[()!<>{},])|(?P<text>\"[^\"]*\")|"
                    r"(?P<word>[A-Za-z0-9_.:\-]+(?:/\d+)?)|(?P<other>\S))")
_COMPARE = {"==": "==", "===": "==", "eq": "==", "any_eq": "==", "!=": "!=", "ne": "!=", "all_ne": "!=", ">": ">", "gt": ">", "<": "<",
            "lt": "<", ">=": ">=", "ge": ">=", "<=": "<=", "le": "<="}
_CALLERS = {"HV_PACS": "10.20.10.10", "CT2": "10.20.30.42", "MR1": "10.20.30.43"}
_OWN_PORTS = {"HV_PACS": 50001, "CT2": 1037, "MR1": 52110}           # old consoles take their own ports from 1025 on
# Eastcliff's archive listens on the port that is registered for DICOM as well (PS3.8 section 9.1.1).
_SERVERS = {"HV_PACS": (PACS, PORT), "HV_MWL": ("10.20.10.20", 11113), "HV_VNA": ("10.20.10.40", 11115), "EC_PACS": ("10.60.40.10", PORT)}


def _frames_to_filter():
    """(what it is, fields) of one frame of every kind that the day's tape may have: {field: list of values}."""
    frames = []
    for caller, ip in _CALLERS.items():
        for server, (host, port) in _SERVERS.items():
            if caller == server:
                continue
            own = _OWN_PORTS[caller]
            both = {"ip.addr": [ip, host], "ip.host": [ip, host], "tcp.port": [own, port], "ip": [True], "tcp": [True]}
            there = {**both, "ip.src": [ip], "ip.dst": [host], "tcp.srcport": [own], "tcp.dstport": [port]}
            back = {**both, "ip.src": [host], "ip.dst": [ip], "tcp.srcport": [port], "tcp.dstport": [own]}
            for ends in (there, back):                      # without names for addresses, Wireshark's "host" is the address as text
                ends |= {"ip.src_host": ends["ip.src"], "ip.dst_host": ends["ip.dst"]}
            titles = {"dicom.assoc.ae.called": [server], "dicom.assoc.ae.calling": [caller]}
            frames += [(f"a bare TCP segment from {caller} to {server}", there), (f"a bare TCP segment from {server} to {caller}", back)]
            for kind, name in ul.NAMES.items():
                pdu = {"dicom": [True], "dicom.pdu.type": [kind]}
                if kind == 3:
                    # PS3.8 Table 9-21 ties no result to a source; the lesson says so beside the fields.
                    for numbers in ((1, 1, 1), (1, 1, 2), (1, 1, 3), (1, 1, 7), (1, 2, 1), (1, 2, 2),
                                    (2, 1, 1), (2, 1, 2), (2, 1, 3), (2, 1, 7), (2, 2, 2), (2, 3, 1), (2, 3, 2)):
                        codes = dict(zip(FIELDS[3:6], ([number] for number in numbers)))
                        frames.append((f"an A-ASSOCIATE-RJ {numbers[0]}/{numbers[1]}/{numbers[2]} from {server} to {caller}",
                                       {**back, **pdu, **codes, "dicom.assoc.reject": [True]}))
                elif kind == 7:
                    for source, reason in ((0, 0), (2, 2), (2, 6)):
                        codes = {"dicom.assoc.abort": [True], "dicom.assoc.abort.source": [source], "dicom.assoc.abort.reason": [reason]}
                        frames += [(f"an A-ABORT {source}/{reason}", {**ends, **pdu, **codes}) for ends in (there, back)]
                else:
                    more = titles if kind in (1, 2) else {}
                    article = "an" if name[0] == "A" else "a"
                    frames += [(f"{article} {name}", {**ends, **pdu, **more}) for ends in (there, back) if not (kind == 1 and ends is back)]
    return frames


FRAMES = _frames_to_filter()


class _Filter:
    """A display filter, read as Wireshark 4 reads it: `or` binds least, then `and`, then `not`; names in lower case."""

    def __init__(self, text):
        self._tokens = []
        for found in _TOKEN.finditer(text.strip()):
            if found["other"]:
                raise ValueError(_unknown_sign(found["other"]))
            self._tokens.append(found["sign"] or found["text"] or found["word"])
        self._at = 0
        if not self._tokens:
            raise ValueError("it is empty")
        self.test = self._either()
        if self._at < len(self._tokens):
            more = self._tokens[self._at]
            raise ValueError(_unknown_field(more) if more.casefold() in ("and", "or", "not") else _unread(more) or
                             f"between {self._tokens[self._at - 1]} and {more} an `and` or `or` is missing")

    def _next(self, *wanted):
        if self._at < len(self._tokens) and (not wanted or self._tokens[self._at] in wanted):
            self._at += 1
            return self._tokens[self._at - 1]
        if wanted:
            return None
        raise ValueError("it ends too early")

    def _either(self):
        parts = [self._both()]
        while self._next("or", "||"):
            parts.append(self._both())
        return lambda frame: any(part(frame) for part in parts)

    def _both(self):
        parts = [self._one()]
        while self._next("and", "&&"):
            parts.append(self._one())
        return lambda frame: all(part(frame) for part in parts)

    def _one(self):
        if self._next("not", "!"):
            inner = self._one()
            return lambda frame: not inner(frame)
        if self._next("("):
            inner = self._either()
            if not self._next(")"):
                raise ValueError("a bracket is not closed")
            return inner
        field = self._next()
        if field not in FIELDS:
            raise ValueError(_unknown_field(field))
        if self._next("in"):
            return self._among(field)
        sign = self._next(*_COMPARE)
        if sign is None:
            return lambda frame: field in frame
        return _comparison(field, _COMPARE[sign], self._next())

    def _among(self, field):
        if not self._next("{"):
            raise ValueError("behind `in` stands a set in braces: {1, 2}")
        tests = [self._element(field)]
        while self._next(","):
            tests.append(self._element(field))
        if not self._next("}"):
            raise ValueError("in a set the values are separated by commas, and a brace closes it")
        return lambda frame: any(test(frame) for test in tests)

    def _element(self, field):
        text = self._next()
        first, range_, last = text.partition("..")
        if not range_:
            return _comparison(field, "==", text)
        tests = _comparison(field, ">=", first), _comparison(field, "<=", last)
        return lambda frame: all(test(frame) for test in tests)


def _unknown_sign(sign):
    if sign == "=":
        return "Wireshark compares with two signs of equality, =="
    return _unread(sign) or f"the sign {sign} is not known here; compare with == or !=, join with and, or, not"


def _unread(token):
    """What to say of a part of Wireshark's language that is not read here; "" for all else."""
    if token in ("[", "]"):
        return "bytes that are cut out with [ ] are not read here; use the fields of the table above"
    if token.casefold() in ("contains", "matches", "~", "&", "bitwise_and"):
        return f"`{token}` is Wireshark's too, and is not read here; compare a field of the table above with == or in"
    return ""


def _unknown_field(field):
    lower = field.casefold()
    if lower in ("and", "or", "not"):
        return "and, or and not are written in small letters" if field != lower else f"before and behind `{field}` something must stand"
    if lower in FIELDS:
        return f"names are written in small letters: {lower}"
    if "." in field and not field.startswith("dicom"):
        return f"{field} may be a field of Wireshark's; here only those in the table above are read"
    return f"{field} is none of the fields in the table above"


def _value(field, text):
    if field in ("ip.src", "ip.dst", "ip.addr"):
        if text.startswith('"'):
            raise ValueError(f"{field} is compared with an IP address, without quotes")
        try:
            return ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise ValueError(f"{field} is compared with an IP address") from None
    if field.startswith(("dicom.assoc.ae", "ip.")):
        return text.strip('"')
    try:
        return int(text, 0)
    except ValueError:
        raise ValueError(f"{field} is compared with a number, without quotes") from None


def _comparison(field, sign, text):
    """A test of a frame; an address is compared with a network, of which a single address is the smallest."""
    import operator

    value = _value(field, text)
    compare = {"==": operator.eq, "!=": operator.eq, ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le}[sign]
    if isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network):
        def compare(one, value):
            return ipaddress.ip_address(one) in value
    if sign not in ("==", "!=") and not isinstance(value, int):
        raise ValueError(f"{field} is compared with == or != here")
    if sign == "!=":                    # since Wireshark 3.6: the field is there, and none of its values is that one
        return lambda frame: field in frame and not any(compare(one, value) for one in frame[field])
    return lambda frame: any(compare(one, value) for one in frame.get(field, ()))


def shown(value):
    """What a display filter shows of FRAMES, as text: "none", or a 0 or 1 for each."""
    if not isinstance(value, str):
        raise ValueError("a display filter is text")
    test = _Filter(_bare(value)).test
    return "".join("01"[test(frame)] for _, frame in FRAMES)


def _bare(text):
    """A filter without the quotes or backticks around it."""
    text = text.strip().strip("`")
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" and text.count(text[0]) == 2 else text


def _tokens(text):
    return [found["sign"] or found["text"] or found["word"] or found["other"] for found in _TOKEN.finditer(text.strip())]


def _conditions(tokens):
    """The conditions of a filter that must all hold, each as text: what `and` joins, outside of brackets."""
    parts, depth = [[]], 0
    for place, token in enumerate(tokens):
        depth += (token == "(") - (token == ")")
        if depth == 0 and token in ("or", "||"):
            return [" ".join(tokens)]
        if depth == 0 and token in ("and", "&&"):
            parts.append([])
        else:
            parts[-1].append(token)
    if len(parts) == 1 and tokens[0] == "(" and tokens[-1] == ")":
        inside = _conditions(tokens[1:-1])
        return inside if all(one.count("(") == one.count(")") for one in inside) else [" ".join(tokens)]
    return [one for part in parts for one in (_conditions(part) if len(parts) > 1 else [" ".join(part)])]


def _fit(conditions):
    """Whether all these conditions hold in some kind of frame."""
    tests = [_Filter(one).test for one in conditions]
    return any(all(test(frame) for test in tests) for _, frame in FRAMES)


def _excluding(conditions):
    """A sentence on the fewest conditions that no frame fulfils together."""
    for count in range(1, len(conditions)):
        for some in itertools.combinations(conditions, count):
            if not _fit(some):
                if count == 1:
                    return f"Already `{some[0]}` alone is true of no frame that may come."
                return f"No frame that may come fulfils both `{some[0]}` and `{some[1]}`." if count == 2 else (
                    f"No frame that may come fulfils all of {', '.join(f'`{one}`' for one in some)}.")
    return f"No frame that may come fulfils {'it' if len(conditions) == 1 else 'all of its conditions together'}."


class Shown(Text):
    """A display filter, judged by what it shows."""

    takes = "a display filter, as text"

    def read(self, given):
        """What the filter shows, as `shown` writes it."""
        text = single(plain(given))
        if type(text) is str and not text.strip(" `'\""):
            raise Unreadable("The text is empty: write the filter between the quotes.")
        return super().read(given)

    def judge(self, exercise, given, editions):
        """As for every kind; of a filter that shows nothing, which of its conditions leave nothing."""
        verdict = super().judge(exercise, given, editions)
        if verdict.correct or verdict.label == "unreadable":
            return verdict
        text = single(plain(given[0]))
        text = _bare(text.decode("latin-1") if type(text) is bytes else text)
        if "1" in self.read(*given):
            words = set(_tokens(text))
            mixed = words & {"or", "||"} and words & {"and", "&&"} and "(" not in words
            if verdict.label not in ("extra", "missing") or not mixed:
                return verdict
            more = "Here `and` binds closer than `or`: what belongs together stands in brackets."
            return Verdict(verdict.outcome, f"{verdict.message} {more}", verdict.label)
        conditions = _conditions(_tokens(text))
        rest = [one for one in conditions if "dicom.assoc.ae." not in one]
        feedback = {way.__name__: said for way, said in exercise.wrong_ways.items()}
        if len(rest) < len(conditions) and _fit(rest):
            return Verdict(Outcome.NOT_YET, feedback["the_called_title"], "the_called_title")
        return Verdict(Outcome.NOT_YET, f"This filter shows nothing at all. {_excluding(conditions)}", "nothing")

    def difference(self, answer, other):
        """None when both show the same of every kind of frame."""
        if answer == other:
            return None
        extra = next((what for (what, _), mine, right in zip(FRAMES, answer, other) if mine > right), None)
        if "1" not in answer:
            return Difference("This filter shows nothing at all.", "nothing")
        if extra:
            return Difference(f"This filter shows a frame that was not asked for: {extra}.", "extra")
        return Difference("What this filter shows was asked for, but not all that was asked for is shown.", "missing")


@lesson.exercise
class FilterForTheNight:
    """The network group will record for a week. Write the **display filter** that shows, of all that, only the frames in which **HV_PACS
    rejects an association because its limit is reached**: `display_filter = "..."`.

    It is judged by what it shows, not by how it is written; the fields are those of the table above. HV_PACS is 10.20.10.10. It listens on
    port 11112, which is registered for DICOM, so Eastcliff's archive listens on that port too; and HV_PACS also calls other servers.
    """

    answer = Shown("display_filter", reading=shown)
    points = 2

    def solution():
        return "ip.src == 10.20.10.10 and dicom.assoc.reject.source == 3 and dicom.assoc.reject.reason == 2"

    def reason_alone():
        return "ip.src == 10.20.10.10 and dicom.assoc.reject.reason == 2"

    def result_for_the_source():
        return "ip.src == 10.20.10.10 and dicom.assoc.reject.result == 2 and dicom.assoc.reject.reason == 2"

    def reason_alone_of_all():
        return "dicom.assoc.reject.reason == 2"

    def result_alone():
        return "ip.src == 10.20.10.10 and dicom.assoc.reject.result == 2"

    def result_alone_of_all():
        return "dicom.assoc.reject.result == 2"

    def of_all_servers():
        return "dicom.assoc.reject.source == 3 and dicom.assoc.reject.reason == 2"

    def by_the_port():
        return "tcp.srcport == 11112 and dicom.assoc.reject.source == 3 and dicom.assoc.reject.reason == 2"

    def either_way_by_the_port():
        return "ip.addr == 10.20.10.10 and tcp.port == 11112 and dicom.assoc.reject.source == 3 and dicom.assoc.reject.reason == 2"

    def to_the_archive():
        return "ip.dst == 10.20.10.10 and dicom.assoc.reject.source == 3 and dicom.assoc.reject.reason == 2"

    def either_way():
        return "ip.addr == 10.20.10.10 and dicom.assoc.reject.source == 3 and dicom.assoc.reject.reason == 2"

    def every_rejection():
        return "ip.src == 10.20.10.10 and dicom.assoc.reject"

    def every_rejection_of_all():
        return "dicom.pdu.type == 3"

    def joined_by_or():
        return "ip.src == 10.20.10.10 and (dicom.assoc.reject.source == 3 or dicom.assoc.reject.reason == 2)"

    def all_joined_by_or():
        return "ip.src == 10.20.10.10 or dicom.assoc.reject.source == 3 or dicom.assoc.reject.reason == 2"

    def source_of_the_program():
        return "ip.src == 10.20.10.10 and dicom.assoc.reject.source == 1 and dicom.assoc.reject.reason == 2"

    def aborts():
        return "ip.src == 10.20.10.10 and dicom.assoc.abort"

    def the_called_title():
        return "dicom.assoc.ae.called == \"HV_PACS\" and dicom.assoc.reject.source == 3 and dicom.assoc.reject.reason == 2"

    wrong_ways = {
        reason_alone: "Reason 2 means something else with each source: with 1 the application context, with 2 the protocol version (PS3.8 "
        "Table 9-21). The filter shows those too.",
        result_for_the_source: "Result and reason, and no source: a reason is read with its *source*, and no result is tied to one (PS3.8 "
        "Table 9-21). A transient rejection because of the application context name, 2/1/2, is shown as well.",
        reason_alone_of_all: "Reason 2 means something else with each source (PS3.8 Table 9-21), and every server's rejections are shown. "
        "Two conditions are missing.",
        result_alone: "Result 2 is every transient rejection: congestion too, and those without a reason (PS3.8 Table 9-21).",
        result_alone_of_all: "Result 2 is every transient rejection (PS3.8 Table 9-21), and every server's are shown. Two conditions are "
        "missing.",
        of_all_servers: "That shows the rejections of every server. A rejection is a frame *from* the one who rejects.",
        by_the_port: "A port is no address: another archive listens on 11112 as well, and its rejections are shown, too. Who sends a frame "
        "says its IP address.",
        either_way_by_the_port: "`ip.addr` is either end, and a port is no address. When HV_PACS calls another archive that listens on "
        "11112, and that one rejects, your conditions hold as well.",
        to_the_archive: "`ip.dst` is where a frame goes. Those are rejections that HV_PACS *gets*, when it calls another server.",
        either_way: "`ip.addr` is either end. HV_PACS calls other servers, too, and their rejections go *to* it.",
        every_rejection: "That shows every rejection by HV_PACS; most of them are the forgotten device with its wrong title.",
        every_rejection_of_all: "Type 3 is every A-ASSOCIATE-RJ, whoever sends it and for whatever reason.",
        joined_by_or: "With `or` either of the two is enough: congestion has source 3 too, and other sources have a reason 2. Both must "
        "hold.",
        all_joined_by_or: "With `or` any one of the conditions is enough, so the first alone shows everything that HV_PACS sends.",
        source_of_the_program: "With source 1, reason 2 is the application context name. The limit is said by another source (PS3.8 Table "
        "9-21).",
        aborts: "Those are aborts of associations. A rejection is another message.",
        the_called_title: "That shows nothing: the two titles stand in the request and its acceptance. An A-ASSOCIATE-RJ is ten bytes "
        "long, and has three numbers and no title.",
    }
    hints = [
        "Who sends it, and which numbers are in it: conditions joined by `and`.",
        "A frame in which HV_PACS rejects comes *from* HV_PACS: which of the fields is the address that a frame comes from?",
        "The limit has two numbers of its own in Table 9-21, a source and a reason: `dicom.assoc.reject.source == ...` and "
        "`dicom.assoc.reject.reason == ...`.",
    ]
    praise = "Of a week that leaves a screenful: time and caller of each, the evidence for a higher limit, or for fewer open viewers."


# --- live

VIEWER = (                              # what a viewing station proposes beside Verification
    "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.2", "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1",
    "1.2.840.10008.5.1.4.1.1.1.2", "1.2.840.10008.5.1.4.1.1.1.3", "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.7",
    "1.2.840.10008.5.1.4.1.1.12.1", "1.2.840.10008.5.1.4.1.1.12.2", "1.2.840.10008.5.1.4.1.1.13.1.3", "1.2.840.10008.5.1.4.1.1.20",
    "1.2.840.10008.5.1.4.1.1.77.1.4", "1.2.840.10008.5.1.4.1.1.88.59", "1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.1.1.128",
)
LARGEST = 1400                          # bytes that a narrow path lets through
EARLIER = 8                             # of VIEWER, how many are proposed before Verification: what is taken is not the first context
PATIENCE, UNANSWERED = 0.35, ("silent", "lost", "narrow")    # seconds that the station waits for an answer where none will come
LONG_PATIENCE = 12.0                    # and where one will, which may be late on a busy machine
REQUEST_AND_MORE = 2300                 # bytes after which the whole request has passed, and not yet the whole answer
STATES = {                              # how the other side behaves -> behaviour of the service, and the faults of the way
    "closed": ("closed", {}), "silent": ("silent", {}), "renamed": ("renamed", {}), "strict": ("strict", {}), "busy": ("busy", {}),
    "aborts": ("aborts", {}), "breaks": ("aborts midway", {}), "no context": ("no context", {}), "healthy": ("healthy", {}),
    "stalled": ("healthy", {"lost_every": 500, "repeat_after": 0.02}),
    "narrow": ("healthy", {"largest": LARGEST}), "lost": ("healthy", {"largest": LARGEST, "repeats": 1}),
    "cut": ("healthy", {"reset_after": REQUEST_AND_MORE}),
    "torn": ("healthy", {"reset_after": REQUEST_AND_MORE, "resets": (pcap.CLIENT, pcap.SERVER)}),
}
TRIED = [state for state in STATES if state != "narrow"]            # narrow is the one that the lesson shows
FEWER = 3                               # of VIEWER, how many are proposed where the way is "stalled"


class Bench:
    """A viewing station that can be made to call a system, and a sniffer beside that system.

    Nothing of it is copied: it stands for something that runs.
    """

    def __init__(self, service, faults, contexts=len(VIEWER), patience=LONG_PATIENCE):
        from coursekit.systems.proxy import Proxy

        self.called, self._sent, self._contexts, self._patience = service.title, False, contexts, patience
        self._proxy = Proxy((service.host, service.port), server=service.title, addresses={"WS_ED1": "10.20.40.13"}, faults=faults)

    def __deepcopy__(self, memo):
        return self

    def __repr__(self):
        return f"<WS_ED1, ready to call {self.called}, and a sniffer>"

    def __enter__(self):
        self._proxy.start()
        return self

    def __exit__(self, *_):
        self._proxy.stop()

    def send(self):
        """Let WS_ED1 call the system: an association as a viewer proposes it, C-ECHO, release."""
        from coursekit.systems.caller import CONNECT_SECONDS, call

        self._sent = True
        call(self._proxy.host, self._proxy.port, self.called, "WS_ED1", self._patience, also=VIEWER[EARLIER:self._contexts],
             before=VIEWER[:min(EARLIER, self._contexts)])
        if not any(event.what == "connection" for event in self._proxy.journal):
            # Nobody listens there. Windows asks again for two seconds before it believes it, longer than the station waits.
            self._proxy.journal.wait("refused", seconds=CONNECT_SECONDS)

    def capture(self):
        """What the sniffer saw: a Sniffer. Raises CourseError when nothing was sent."""
        if not self._sent:
            raise CourseError("Nothing was sent, so there is nothing to see. Call `bench.send()` first.")
        return Sniffer(self._proxy.capture(), self._proxy.names)


@contextlib.contextmanager
def benches(wanted):
    """Run systems, each with a station before it that can call it, while the ``with`` block is open.

    wanted : (key of STATES, AE title) of each; gives a list of Bench
    """
    from coursekit.systems.proxy import Faults
    from coursekit.systems.services import running

    with contextlib.ExitStack() as stack:
        services = stack.enter_context(running([(STATES[state][0], title) for state, title in wanted], callers=["WS_ED1"]))
        found = []
        for service, (state, _) in zip(services, wanted):
            contexts = FEWER if state == "stalled" else len(VIEWER)
            patience = PATIENCE if state in UNANSWERED else LONG_PATIENCE
            found.append(stack.enter_context(Bench(service, Faults(**STATES[state][1]), contexts, patience)))
        yield found


RIGHT = {"closed": "refused", "silent": "silent", "renamed": "called", "strict": "calling", "busy": "busy", "aborts": "aborted",
         "breaks": "aborted", "no context": "no context", "healthy": "ok", "stalled": "ok", "narrow": "lost", "lost": "lost",
         "cut": "reset", "torn": "reset"}


SHOWS = {  # what a capture shows for which a conclusion is right
    "refused": "its conversation has `opened` \"refused\", and there is no PDU.",
    "lost": "the request is not confirmed, segments are sent `again`, and no PDU comes back.",
    "silent": "the request has arrived whole, nothing is sent again, and no PDU comes back.",
    "reset": "its conversation was opened and has `ended` with RST, and the last PDU is not complete.",
    "aborted": "there is an A-ABORT.",
    "busy": "there is an A-ASSOCIATE-RJ whose `detail` begins with 2/3/2.",
    "called": "there is an A-ASSOCIATE-RJ whose `detail` begins with 1/1/7.",
    "calling": "there is an A-ASSOCIATE-RJ whose `detail` begins with 1/1/3.",
    "no context": "there is an A-ASSOCIATE-AC, and no row of `contexts` has the `result` 0.",
    "ok": "there is an A-ASSOCIATE-AC, and a row of `contexts` has the `result` 0.",
}
CONCLUSION = Text("", reading=word_of_a_table,
                  remark=lambda said, right: f"In that capture {SHOWS[right]} Which line of your function takes it? If "
                  "none does, it comes to the last `return`.")


TOGETHER = {                            # wrong way -> the systems in all of which an answer must agree with it, the rightly named ones too
    "both_are_calling": ("renamed", "strict"), "both_are_called": ("renamed", "strict"),
    "every_rejection_is_called": ("renamed", "strict", "busy"), "every_rejection_is_calling": ("renamed", "strict", "busy"),
    "every_rejection_is_busy": ("renamed", "strict", "busy"),
}


class Finder(Client):
    """A function that finds what is wrong. Of several mistakes one is told that is there whole and explains the first wrong system."""

    def judge(self, exercise, given, editions):
        """As for every kind; of an exception that the captures provoke, what is in that capture."""
        verdict = super().judge(exercise, given, editions)
        more = next((said for sign, said in STOPS.items() if verdict.label == "error" and sign in verdict.message), None)
        return Verdict(verdict.outcome, f"{verdict.message} {more}", verdict.label) if more else verdict

    def _part(self, exercise, states, results, right, first):
        found = {}
        for way in exercise.wrong_ways:
            said = [self.result.read(way(state)) for state in states]
            wrong = [place for place, (one, other) in enumerate(zip(said, right, strict=True)) if one != other]
            concerned = [states.index(state) for state in TOGETHER[way.__name__]] if way.__name__ in TOGETHER else wrong
            if len(wrong) < 4 and first in wrong and all(results[place] == said[place] for place in concerned):
                found[way] = len(wrong)
        return max(found, key=found.get, default=None)


STOPS = {  # part of an exception's text -> what is in the capture that provokes it
    "NA is ambiguous": "In this capture no context has a `result`, <NA>: no answer came, or the connection was reset in the middle of the "
    "A-ASSOCIATE-AC. Then that one is among the PDUs all the same, with `missing` bytes. Look at the names and at `ended` before you look "
    "into `contexts`.",
    "out-of-bounds": "There are fewer rows in that table than you count on: where nobody answers, one PDU or none. Look first whether the "
    "one that you want is among the names; the last row is `.iloc[-1]`.",
    "index out of range": "There are fewer PDUs in this capture than you count on: where nobody answers, one or none. Look first whether "
    "the one that you want is among the names; the last of a list is `[-1]`.",
}


def _only(word):
    """What is told whose function says the same word of all systems."""
    return (f"Your function says \"{word}\" of all the systems. Does any line before that `return` look into the capture? And is there an "
            "`or` with a comparison on its left side only? Text that stands alone counts as true, always.")


def _except(word, *states):
    return {**RIGHT, **dict.fromkeys(states, word)}


@lesson.exercise
class FromTheWire:
    """Write the function `find(bench)`: it lets the station call with `bench.send()`, takes the capture with `bench.capture()`, and returns
    what is wrong, in **one of the words of the table above**.

    It is tried on thirteen systems that really run while it is checked, on a sound network or behind a fault of the way; eleven have
    something wrong. Some stations propose fewer contexts than 21, and a single segment that is sent again does no harm.
    """

    answer = Finder("find", result=CONCLUSION)
    points = 4

    def solution(bench):
        bench.send()
        seen = bench.capture()
        talk = seen.conversations.iloc[0]
        names = list(seen.pdus["pdu"])
        if talk["opened"] == "refused":
            return "refused"
        if "A-ABORT" in names:
            return "aborted"
        if "A-ASSOCIATE-RJ" in names:
            detail = seen.pdus["detail"].iloc[-1]
            if detail.startswith("2/3/2"):
                return "busy"
            if detail.startswith("1/1/7"):
                return "called"
            return "calling"
        if talk["ended"].startswith("RST"):
            return "reset"
        if "A-ASSOCIATE-AC" not in names:                   # nothing came back
            if talk["again"] > 0:
                return "lost"
            return "silent"
        if 0 not in list(seen.contexts["result"]):
            return "no context"
        return "ok"

    @contextlib.contextmanager
    def stage(draw):
        states = list(TRIED)
        draw.shuffle(states)
        titles = [f"{draw.choice(('HV', 'EC', 'NM'))}_{draw.choice(('PACS', 'VNA', 'MWL'))}{draw.randrange(1, 90)}" for _ in states]
        with benches(list(zip(states, titles))) as found:
            yield [((bench,), state) for bench, state in zip(found, states)]

    def right(state):
        return RIGHT[state]

    def lost_is_silence(state):
        return _except("silent", "lost")[state]

    def silence_is_lost(state):
        return _except("lost", "silent")[state]

    def again_is_lost(state):
        return _except("lost", "stalled")[state]

    def refused_is_a_reset(state):
        return _except("reset", "closed")[state]

    def reset_is_ok(state):
        return _except("ok", "cut", "torn")[state]

    def reset_is_no_context(state):
        return _except("no context", "cut", "torn")[state]

    def reset_is_silence(state):
        return _except("silent", "cut", "torn")[state]

    def accepted_is_ok(state):
        return _except("ok", "no context")[state]

    def every_context_must_be_taken(state):
        return _except("no context", "healthy", "stalled")[state]

    def reasons_swapped(state):
        return {"renamed": "calling", "strict": "called"}.get(state, RIGHT[state])

    def both_are_calling(state):
        return _except("calling", "renamed")[state]

    def both_are_called(state):
        return _except("called", "strict")[state]

    def busy_is_the_caller(state):
        return _except("calling", "busy")[state]

    def busy_is_the_called_title(state):
        return _except("called", "busy")[state]

    def every_rejection_is_calling(state):
        return _except("calling", "busy", "renamed")[state]

    def every_rejection_is_busy(state):
        return _except("busy", "renamed", "strict")[state]

    def refused_is_silence(state):
        return _except("silent", "closed")[state]

    def every_rejection_is_called(state):
        return _except("called", "busy", "strict")[state]

    def abort_is_a_reset(state):
        return _except("reset", "aborts", "breaks")[state]

    def abort_is_silence(state):
        return {"aborts": "silent", "breaks": "ok"}.get(state, RIGHT[state])

    def accepted_before_aborted(state):
        return _except("ok", "breaks")[state]

    def blame_the_network(state):
        return {"lost": "lost", "reset": "reset", "ok": "ok"}.get(RIGHT[state], "lost")

    def always_ok(state):
        return "ok"

    def always_refused(state):
        return "refused"

    def always_reset(state):
        return "reset"

    def always_lost(state):
        return "lost"

    def always_aborted(state):
        return "aborted"

    def always_busy(state):
        return "busy"

    def always_called(state):
        return "called"

    def always_calling(state):
        return "calling"

    def always_no_context(state):
        return "no context"

    def accepted_or_silent(state):
        return "ok" if state == "breaks" or RIGHT[state] in ("ok", "no context", "reset") else "silent"

    def answered_or_silent(state):
        return {"refused": "silent", "silent": "silent", "lost": "silent"}.get(RIGHT[state], "ok")

    def always_silent(state):
        return "silent"

    wrong_ways = {
        lost_is_silence: "In one capture no answer comes, and you say the program is silent. It was never asked: the request is sent "
        "again and again, and not confirmed. Look at `again` before you blame the program.",
        silence_is_lost: "In one capture no answer comes, and you say the way has lost it. TCP has confirmed every byte, and nothing is "
        "sent again: the request has arrived. It is the program that does not answer.",
        again_is_lost: "In one capture a segment was sent again, and then everything arrived, as on tape 14. TCP is there for that. Lost is "
        "a request of which *nothing* comes back.",
        refused_is_a_reset: "A port at which nobody listens answers the SYN with RST, so a refused connection *ends* with RST as well. "
        "Ask for `opened` first.",
        reset_is_ok: "Connections are reset in the middle of the answer. A PDU that has begun is in the list, with `missing` bytes: "
        "look at `ended` before you go by the names.",
        reset_is_no_context: "Connections are reset in the middle of the answer, so no context has a result yet. Nothing was refused: look "
        "at `ended` first.",
        reset_is_silence: "Connections are reset in the middle of the answer. That is not silence: somebody has cut them. Look at `ended` "
        "first.",
        accepted_is_ok: "One system accepts the association and none of its contexts. Nothing can be asked on such an association: look at "
        "`contexts`, column `result`. (If you do: `0 in` a column of pandas looks through the numbers of its rows. Make a list of it.)",
        every_context_must_be_taken: "One system accepts the association and *some* of its contexts. A viewer proposes all that it can "
        "do, and no archive takes all; the first row says nothing of the others. Only if none has the result 0 is there nothing to talk "
        "about.",
        reasons_swapped: "The two reasons are swapped: 3 is about the one that *calls*, 7 about the one that *is called* (PS3.8 Table "
        "9-21).",
        both_are_calling: "Of two rejections you say \"calling\", and one of them has another reason. 3 is about the one that *calls*, 7 "
        "about the one that *is called* (PS3.8 Table 9-21): compare the three numbers in `detail`.",
        both_are_called: "Of two rejections you say \"called\", and one of them has another reason. 3 is about the one that *calls*, 7 "
        "about the one that *is called* (PS3.8 Table 9-21): compare the three numbers in `detail`.",
        busy_is_the_caller: "One rejection is transient: the system is full for the moment. Look at all three numbers.",
        busy_is_the_called_title: "One rejection is transient: a wrong title stays wrong, and a full system has room in a minute. Look at "
        "all three numbers.",
        every_rejection_is_called: "Your function takes every rejection for a wrong called title. The three numbers tell three kinds "
        "apart.",
        every_rejection_is_calling: "Your function takes every rejection for an unknown caller. The three numbers tell three kinds apart.",
        every_rejection_is_busy: "Your function takes every rejection for a full system. The three numbers tell three kinds apart.",
        refused_is_silence: "At one system nobody listens, and its operating system said so at once, with RST. That is an answer: look at "
        "`opened` first.",
        abort_is_a_reset: "An A-ABORT is DICOM: the program is there, and breaks off. A RST is TCP's.",
        abort_is_silence: "Two systems break off with A-ABORT, one of them after it has accepted. That is an answer, and a DICOM one. Look "
        "for its name among the PDUs, before you look for the acceptance.",
        accepted_before_aborted: "One system accepts, and then breaks off, as on tape 7: both names are among the PDUs. Look for the "
        "A-ABORT before you look for the acceptance.",
        blame_the_network: "You give the way for nearly everything. Whatever answers in DICOM, or refuses, was reached: the way is all "
        "right.",
        always_ok: _only("ok"),
        always_refused: _only("refused"),
        always_reset: _only("reset"),
        always_lost: _only("lost"),
        always_aborted: _only("aborted"),
        always_busy: _only("busy"),
        always_called: _only("called"),
        always_calling: _only("calling"),
        always_no_context: _only("no context"),
        accepted_or_silent: "Your function knows two words only. Every rejection and abort is an answer, and so is a refusal by TCP. Begin "
        "with `opened`, then ask for the names: A-ABORT, A-ASSOCIATE-RJ.",
        answered_or_silent: "Your function takes every answer for a good one, and knows two words only. What kind of answer is it, and "
        "what does it say? Begin with `opened`, then ask for the names: A-ABORT, A-ASSOCIATE-RJ.",
        always_silent: _only("silent"),
    }
    hints = [
        "`bench.send()`, then `seen = bench.capture()`. Then `talk = seen.conversations.iloc[0]`, the only connection, and `names = "
        "list(seen.pdus[\"pdu\"])`.",
        "First `talk[\"opened\"]`. Then what is said in DICOM: `if \"A-ABORT\" in names:`. For a rejection the last `detail` has the "
        "numbers, `seen.pdus[\"detail\"].iloc[-1]`, with `.startswith(\"2/3/2\")`.",
        "Then `talk[\"ended\"]`: of a connection that was cut in the answer no context has a result yet. Without an A-ASSOCIATE-AC it's "
        "lost or silent, which `talk[\"again\"]` tells.",
        "What is left: `0 in list(seen.contexts[\"result\"])` tells the last two apart.",
    ]
    praise = "A recording, and a program that reads it: run beside the archive it tells each morning what the night's failures were."
