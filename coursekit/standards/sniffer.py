"""A capture, read as an analyst reads it: who talked, what went wrong below, and what was said, as tables.

    seen = Sniffer(octets, names={"10.20.10.10": "HV_PACS"})
    seen.conversations

It puts up with what real captures are like: segments out of order, twice, cut short or never captured, connections that were there before
the sniffer, a file that ends in the middle. Where bytes are missing it says so, and goes on where the next PDU or message begins.
PDUs: PS3.8 section 9.3; messages: PS3.7; MLLP: HL7 Transport Specification, Release 1; fragmentation needed: RFC 792, 1191.
"""

from collections import Counter
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from coursekit.standards import hl7, pcap
from coursekit.standards import upper_layer as ul

IDLE = 30.0                         # seconds without a frame that are worth a word
REORDERED = 3_000                   # µs within which a segment that comes late was overtaken on the way, and is no repetition
START, END = b"\x0b", b"\x1c\r"
_SIDES = ("client", "server")
_UNREADABLE = "unreadable"


class Pdu(NamedTuple):
    """A PDU of one side of a connection, as it was seen.

    side    : 0 the client, 1 the server
    first   : number of the frame in which it begins
    frame   : number of the frame with which it was complete; None if it never was
    type    : 1 to 7; None for bytes where a PDU should begin and none does
    length  : what its header says, in bytes; of what is no PDU, how many there are
    missing : how many of its bytes the capture hasn't got, or were never sent
    octets  : what is there of it
    content : the PDU, decoded by `upper_layer`; None if that can't be done
    problem : why not: a sentence, or ""
    """

    side: int
    first: int
    frame: int | None
    type: int | None
    length: int
    missing: int
    octets: bytes
    content: object = None
    problem: str = ""

    @property
    def name(self):
        """What it is; of the beginning of a message its name, "C-ECHO-RQ", of the rest "data set"."""
        if not isinstance(self.content, ul.Data):
            return ul.NAMES.get(self.type, _UNREADABLE)
        value = self.content.values[0]
        if not value.command:
            return "data set"
        try:
            return ul.Message(value.context, ul.decode_command(value.data)).name
        except ul.BadPdu:               # the command goes on in the next PDU, or is none
            return ul.NAMES[self.type]


class Dimse(NamedTuple):
    """A DIMSE message as it was seen: `side`, `first` and `frame` as of a Pdu; `size` and `missing` are bytes of its data set."""

    side: int
    first: int
    frame: int | None
    context: int
    command: dict
    size: int
    missing: int
    problem: str = ""

    @property
    def name(self):
        """Such as "C-STORE-RQ"; "unreadable" when its command set could not be decoded."""
        return ul.Message(self.context, self.command).name if self.command else _UNREADABLE


class Hl7(NamedTuple):
    """What an MLLP frame held: `side`, `first` and `frame` as of a Pdu; `message` is None if it can't be read."""

    side: int
    first: int
    frame: int | None
    message: object
    problem: str = ""

    @property
    def name(self):
        """Its type and event: "ORM^O01"; "unreadable" if it is no message."""
        return self.message.event if self.message else _UNREADABLE


def pdus(talk):
    """The PDUs of a connection, in the order in which they were complete: a list of Pdu; empty when it carries no DICOM."""
    found = [_pdus_of(side, stream) for side, stream in enumerate(talk.sent)]
    if not any(pdu.type for some in found for pdu in some):
        return []
    return sorted((pdu for some in found for pdu in some), key=lambda pdu: (pdu.frame or pdu.first, pdu.side))


def _pdus_of(side, stream):
    found, at, trusted = [], 0, False
    while at < stream.end:
        head = _head(stream, at)
        if not (head and head[0] in ul.NAMES if trusted else _looks_like_pdu(head)):
            begin, at = next(max(offset, at) for offset, part, _ in stream.parts if offset + len(part) > at), _next_pdu(stream, at)
            octets = stream.piece(begin, at)
            if octets:
                found.append(Pdu(side, stream.frame(begin + 1), None, None, len(octets), 0, octets, problem=_no_pdu(octets, begin)))
            trusted = False
            continue
        trusted = True
        length = int.from_bytes(head[2:ul.HEADER], "big")
        end = at + ul.HEADER + length
        octets = stream.piece(at, end)
        missing, content, problem = end - at - len(octets), None, ""
        if missing:
            problem = f"{missing} of its bytes are missing"
        else:
            try:
                content = ul.decode(octets)
            except ul.BadPdu as error:
                problem = str(error)
        frame = None if missing else stream.frame(end)
        found.append(Pdu(side, stream.frame(at + 1), frame, head[0], length, missing, octets, content, problem))
        at = end
    return found


def _head(stream, at):
    """The beginning of a PDU, as far as it is there without a gap: 12, 10 or 6 bytes, or none."""
    return next((head for size in (12, 10, ul.HEADER) if len(head := stream.piece(at, at + size)) == size), b"")


def _looks_like_pdu(head):
    """Whether 12 bytes may be the beginning of a PDU, if nothing is known of those before."""
    if len(head) < 10 or head[0] not in ul.NAMES or head[1]:
        return False
    length = int.from_bytes(head[2:ul.HEADER], "big")
    if head[0] in (1, 2):
        return 68 <= length < 1 << 20       # no honest one comes near the second
    if head[0] == 4:
        return len(head) == 12 and 2 <= int.from_bytes(head[6:10], "big") <= length - 4 and head[10] % 2 == 1 and head[11] <= 3
    return length == 4


def _next_pdu(stream, at):
    """The offset after `at` at which a segment begins with what looks like a PDU; the end of the stream if there is none."""
    return next((offset for offset, _, _ in stream.parts if offset > at and _looks_like_pdu(_head(stream, offset))), stream.end)


def _no_pdu(octets, at):
    return f"At byte {at} of what it sent a PDU should begin, but there is {octets[:4].hex(' ').upper()}."


def messages(seen):
    """The DIMSE messages in the PDUs of a connection (a list of Pdu), in order: a list of Dimse.

    One of which parts are missing, or that never ended, has no `frame`.
    """
    found = [message for side in (0, 1) for message in _messages_of(side, [pdu for pdu in seen if pdu.side == side])]
    return sorted(found, key=lambda message: (message.frame or message.first, message.side))


def _messages_of(side, seen):
    found, open_ = [], None

    def end(frame, problem=""):
        nonlocal open_
        if open_.command is not None:
            whole = frame if not open_.missing else None
            if open_.missing:
                problem = f"{open_.missing} bytes of its data set are missing"
            found.append(Dimse(side, open_.first, whole, open_.context, open_.command, open_.size, open_.missing, problem))
        open_ = None

    for pdu in seen:
        if pdu.content is None:
            if open_ and open_.command is None:
                open_ = None                            # a part of the command is lost, and with it the message
            elif open_:
                open_.missing += pdu.missing or len(pdu.octets)
            continue
        for value in pdu.content.values if isinstance(pdu.content, ul.Data) else ():
            if value.command:
                if open_ and open_.command is not None:
                    end(None, "its data set does not end")
                if not open_ or open_.context != value.context:
                    open_ = _Open(pdu.first, value.context)
                open_.parts.append(value.data)
                if value.last:
                    try:
                        open_.command = ul.decode_command(b"".join(open_.parts))
                    except ul.BadPdu as error:
                        open_.command = {}
                        end(pdu.frame, str(error))
                        continue
                    if open_.command.get("CommandDataSetType", ul.NO_DATA_SET) == ul.NO_DATA_SET:
                        end(pdu.frame)
            elif open_ and open_.command is not None and value.context == open_.context:
                open_.size += len(value.data)
                if value.last:
                    end(pdu.frame)
    if open_ and open_.command is not None:
        end(None, "its data set does not end")
    return found


class _Open:
    """A message of which more is to come."""

    def __init__(self, first, context):
        self.first, self.context, self.parts, self.command, self.size, self.missing = first, context, [], None, 0, 0


def hl7_messages(talk):
    """The HL7 messages of a connection, in order: a list of Hl7; empty when it carries none."""
    found = []
    if not any(START + b"MSH" in stream.data for stream in talk.sent):
        return found
    for side, stream in enumerate(talk.sent):
        octets = stream.data                            # after a gap nothing says where a message begins
        at = octets.find(START)
        end = octets.find(END, max(at, 0))
        while at >= 0:
            if 0 <= end < at:                           # none before the end of the stream: looked for once
                end = octets.find(END, at)
            begin = octets.find(START, at + 1)
            ended = end >= 0 and (begin < 0 or end < begin)
            stop = end if ended else begin if begin >= 0 else len(octets)
            found.append(_hl7(side, stream, at, stop, ended))
            at = begin
    return sorted(found, key=lambda one: (one.frame or one.first, one.side))


def _hl7(side, stream, at, stop, ended):
    problem = "" if ended else "the frame has no end block (1C 0D)" if not stream.gaps else "the rest is not in the capture"
    try:
        message = hl7.parse(stream.data[at + 1:stop])
    except hl7.BadMessage as error:
        message, problem = None, problem or str(error)
    return Hl7(side, stream.frame(at + 1), stream.frame(stop + len(END)) if ended else None, message, problem)


def status(command, abstract=""):
    """The status of a response in words, such as "Failure: Refused: Out of Resources"; "" for a command without one.

    command : a command set, as `upper_layer` decodes it; abstract : the SOP class of its presentation context

    The words are those of pynetdicom, by service (PS3.7 annex C, PS3.4).
    """
    code = command.get("Status")
    if code is None:
        return ""
    from pynetdicom import status as words

    field = command.get("CommandField")
    known = {0x8001: words.STORAGE_SERVICE_CLASS_STATUS, 0x8020: words.QR_FIND_SERVICE_CLASS_STATUS,
             0x8021: words.QR_MOVE_SERVICE_CLASS_STATUS, 0x8010: words.QR_GET_SERVICE_CLASS_STATUS}.get(field, words.GENERAL_STATUS)
    if field == 0x8020 and abstract == "1.2.840.10008.5.1.4.31":
        known = words.MODALITY_WORKLIST_SERVICE_CLASS_STATUS
    return ": ".join(part for part in known.get(code, (words.code_to_category(code), "")) if part)


class Sniffer:
    """A capture, read into tables: DataFrames, each made when it is first asked for.

    data  : a pcap or pcapng file: bytes, or where it lies
    names : {IP address: name}; a host that is not in it goes by its address

    `packets` are those that could be dissected, `talks` the TCP connections, `unread` (frame number, sentence) what could not be read.
    In the tables `stream` is the number of a connection, the same as Wireshark's tcp.stream; `seconds` counts from the first frame.
    Raises pcap.BadCapture when `data` is no capture; nothing else, whatever is in it.
    """

    def __init__(self, data, names=None):
        if not isinstance(data, bytes | bytearray | memoryview):
            data = Path(data).read_bytes()
        self.names, self.unread, self.packets = dict(names or {}), [], []
        try:
            frames = pcap.read(data)
        except pcap.BadCapture as error:
            if not error.frames:
                raise
            frames = error.frames
            self.unread.append((len(frames) + 1, str(error)))
        for number, frame in enumerate(frames, 1):
            try:
                self.packets.append(pcap.dissect(frame, number))
            except pcap.BadCapture as error:
                self.unread.append((number, str(error)))
        self._count = len(frames)
        self._times = {number: frame.time for number, frame in enumerate(frames, 1)}
        self._start = frames[0].time if frames else 0
        self.talks = pcap.connections(self.packets)
        self._pdus = [pdus(talk) for talk in self.talks]
        self._messages = [messages(seen) for seen in self._pdus]
        self._hl7 = [[] if seen else hl7_messages(talk) for seen, talk in zip(self._pdus, self.talks, strict=True)]

    def __repr__(self):
        seconds = (max(self._times.values()) - self._start) / 1e6 if self._times else 0
        kinds = Counter(self._protocol(number) or "other" for number in range(len(self.talks)))
        said = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
        problems = f"; {len(self.unread)} frames could not be read" if self.unread else ""
        return f"<capture: {self._count} frames in {seconds:.3f} s, {_several(len(self.talks), 'TCP connection')} ({said}){problems}>"

    # Who and when

    def _name(self, end):
        return self.names.get(end[0], end[0])

    def _ends(self, talk):
        return self._name(talk.client), self._name(talk.server)

    def _seconds(self, number):
        return None if number is None else (self._times[number] - self._start) / 1e6

    def _protocol(self, number):
        # A TLS record with a handshake in it (RFC 8446 5.1), whatever the other side makes of it.
        if any(stream.data[:2] == b"\x16\x03" for stream in self.talks[number].sent):
            return "TLS"
        return "DICOM" if self._pdus[number] else "HL7" if self._hl7[number] else ""

    @staticmethod
    def _table(rows, columns, whole=()):
        import pandas as pd

        table = pd.DataFrame(rows, columns=columns)
        return table.astype(dict.fromkeys(whole, "Int64"))          # whole numbers of which some may be missing

    # The tables

    @cached_property
    def conversations(self):
        """A row for each TCP connection: who, when, how much, how it began and ended, and what TCP had to put up with.

        opened        : "yes"; "refused" (RST), "no answer" (SYN and nothing else), "before the capture"
        ended         : "FIN by client", "RST by server" and so on; "" if the capture does not show it
        sent_client, sent_server : bytes that each sent, those sent again counted once
        again, late   : segments that were sent again; segments that another overtook
        zero_window   : frames in which a receiver says that it has no room
        missing       : bytes that the capture has not got
        longest_pause : seconds
        """
        rows = []
        for number, talk in enumerate(self.talks):
            first, last = talk.packets[0], talk.packets[-1]
            notes = Counter(what for _, what, _ in _tcp_notes(talk))
            pause = max((after.time - before.time for before, after in pairwise(talk.packets)), default=0) / 1e6
            rows.append((
                number, *self._ends(talk), talk.server[1], self._protocol(number), _utc(first.time), self._seconds(first.number),
                (last.time - first.time) / 1e6, len(talk.packets), _opened(talk), _ended(talk), *(_count(stream) for stream in talk.sent),
                notes["sent again"], notes["late"], notes["zero window"], sum(gap for stream in talk.sent for _, gap in _missing(stream)),
                pause))
        return self._table(rows, ["stream", "client", "server", "port", "protocol", "utc", "seconds", "duration", "frames", "opened",
                                  "ended", "sent_client", "sent_server", "again", "late", "zero_window", "missing", "longest_pause"])

    @cached_property
    def pdus(self):
        """A row for each PDU. `frame` is where it begins, `complete` where it ends; `length` is the header's; `missing` in bytes.

        The `detail` of a request and of an acceptance ends with the length of a P-DATA-TF that its sender takes, counted as `length` is.
        """
        rows = []
        for number, talk in enumerate(self.talks):
            ends = self._ends(talk)
            for pdu in self._pdus[number]:
                rows.append((number, pdu.first, pdu.frame, self._seconds(pdu.first), ends[pdu.side], ends[1 - pdu.side],
                             ul.NAMES.get(pdu.type, _UNREADABLE), pdu.length, pdu.missing, pdu.problem or _detail(pdu)))
        return self._table(rows, ["stream", "frame", "complete", "seconds", "from", "to", "pdu", "length", "missing", "detail"],
                           ["frame", "complete"])

    @cached_property
    def contexts(self):
        """A row for each presentation context that was proposed.

        `proposed` are the transfer syntaxes offered, `result` is the answer (PS3.8 Table 9-18; missing without one), `answer` the same in
        words, `accepted` the transfer syntax taken.
        """
        rows = []
        for number, talk in enumerate(self.talks):
            ends = self._ends(talk)
            said = [pdu.content for pdu in self._pdus[number] if pdu.content is not None]
            answers = {one.id: one for pdu in said if isinstance(pdu, ul.AssociateAccept) for one in pdu.contexts}
            for request in (pdu for pdu in said if isinstance(pdu, ul.AssociateRequest)):
                for context in request.contexts:
                    answer = answers.get(context.id)
                    words = "" if answer is None else ul.CONTEXT_RESULTS.get(answer.result, f"result {answer.result}, which is none")
                    rows.append((number, *ends, context.id, _uid(context.abstract), ", ".join(map(_uid, context.transfers)),
                                 answer and answer.result, words, _uid(answer.transfer) if answer and answer.result == 0 else ""))
        return self._table(rows, ["stream", "client", "server", "id", "abstract", "proposed", "result", "answer", "accepted"], ["result"])

    def _abstract(self, number):
        """{context id: abstract syntax UID} of a connection."""
        return {context.id: context.abstract for pdu in self._pdus[number] if isinstance(pdu.content, ul.AssociateRequest)
                for context in pdu.content.contexts}

    @cached_property
    def messages(self):
        """A row for each DIMSE message. `status` in hex and `meaning` in words; `answers` is the message ID that a response names;
        `data_set` in bytes."""
        rows = []
        for number, talk in enumerate(self.talks):
            ends, abstract = self._ends(talk), self._abstract(number)
            for message in self._messages[number]:
                said = message.command
                sop_class = said.get("AffectedSOPClassUID") or said.get("RequestedSOPClassUID") or ""
                rows.append((
                    number, message.first, message.frame, self._seconds(message.first), ends[message.side], ends[1 - message.side],
                    message.name, said.get("MessageID"), said.get("MessageIDBeingRespondedTo"),
                    f"{said['Status']:04X}" if "Status" in said else "", status(said, abstract.get(message.context, "")), message.context,
                    _uid(sop_class), said.get("AffectedSOPInstanceUID") or said.get("RequestedSOPInstanceUID") or "", message.size,
                    said.get("ErrorComment") or message.problem))
        return self._table(rows, ["stream", "frame", "complete", "seconds", "from", "to", "message", "id", "answers", "status", "meaning",
                                  "context", "sop_class", "sop_instance", "data_set", "comment"], ["frame", "complete", "id", "answers"])

    @cached_property
    def hl7(self):
        """A row for each HL7 message. `code` and `answers` are MSA-1 and MSA-2 of an acknowledgement, `waited` the seconds that it took.

        `comment` is what could not be read, else the errors that an acknowledgement names: "204 Unknown key identifier at MRG^1^1^1^4".
        """
        rows = []
        for number, talk in enumerate(self.talks):
            ends, asked = self._ends(talk), {}
            for one in self._hl7[number]:
                said = one.message
                control, code, answers = (said.control_id, said["MSA-1"], said["MSA-2"]) if said else ("", "", "")
                errors = hl7.complaint(said).partition(": ")[2] if code else ""
                at = self._times[one.frame or one.first]
                if not code:
                    asked[one.side, control] = at
                begun = asked.get((1 - one.side, answers)) if code else None
                rows.append((number, one.first, one.frame, self._seconds(one.first), ends[one.side], ends[1 - one.side], one.name, control,
                             code, answers, None if begun is None else (at - begun) / 1e6, one.problem or errors))
        return self._table(rows, ["stream", "frame", "complete", "seconds", "from", "to", "message", "control_id", "code", "answers",
                                  "waited", "comment"], ["frame", "complete"])

    @cached_property
    def timing(self):
        """Where the time went: a row for each step of each connection, in seconds at the sniffer.

        step      : "TCP handshake" (its `waiting` is the round trip of the network), "association", or the name of the request
        sending   : from the first frame of the request to its last
        waiting   : from there to the first frame of the answer; of a request, that is how long the server thought
        answering : from the first frame of the answer to its last; of C-FIND and C-MOVE to the final response
        responses : how many answers came
        """
        rows = []
        for number, talk in enumerate(self.talks):
            trip = _round_trip(talk)
            if trip is not None:
                first = talk.packets[0].number
                rows.append((number, first, self._seconds(first), "TCP handshake", "", 0.0, trip / 1e6, 0.0, 1))
            for step, id_, asked, answers in self._exchanges(number):
                begin, sent = self._times[asked.first], self._times[asked.frame or asked.first]
                row = [number, asked.first, self._seconds(asked.first), step, id_, (sent - begin) / 1e6, None, None, len(answers)]
                if answers:
                    row[6] = (self._times[answers[0].first] - sent) / 1e6
                    row[7] = (self._times[answers[-1].frame or answers[-1].first] - self._times[answers[0].first]) / 1e6
                rows.append(row)
        return self._table(rows, ["stream", "frame", "seconds", "step", "id", "sending", "waiting", "answering", "responses"])

    def _exchanges(self, number):
        """(step, message id, request, answers) of a connection, in order; what is asked and answered has `first` and `frame`."""
        found = []
        seen = self._pdus[number]
        for pdu in seen:
            if pdu.type == 1:
                found.append(("association", "", pdu, [one for one in seen if one.side != pdu.side and one.type in (2, 3, 7)][:1]))
        for place, one in enumerate(self._messages[number]):
            if "MessageID" in one.command and "Status" not in one.command:
                id_, answers = one.command["MessageID"], []
                for later in self._messages[number][place + 1:]:
                    if later.side == one.side and later.command.get("MessageID") == id_ and "Status" not in later.command:
                        break                           # the same number is used again
                    if later.side != one.side and later.command.get("MessageIDBeingRespondedTo") == id_:
                        answers.append(later)
                found.append((one.name, str(id_), one, answers))
        for one in self._hl7[number]:
            if one.message and not one.message["MSA-1"]:
                control = one.message.control_id
                answers = [other for other in self._hl7[number] if other.side != one.side and other.message]
                found.append((one.name, control, one, [other for other in answers if other.message["MSA-2"] == control]))
        return found

    @cached_property
    def oddities(self):
        """A row for each thing that a sound network does not show, in order.

        what : "sent again", "late", "keep-alive", "zero window", "RST", "no answer", "pause", "bytes missing", "other time to live",
               "wrong checksum", "fragmentation needed", "unreachable", "two hardware addresses", "frame cut", "unreadable"
        """
        rows = [(number, None, "", what, detail) for number, what, detail in self._below()]
        for stream, talk in enumerate(self.talks):
            ends = self._ends(talk)
            rows += [(packet.number, stream, ends[packet.source != talk.client], what, detail) for packet, what, detail in _tcp_notes(talk)]
            rows += [(number, stream, ends[side], what, detail) for number, side, what, detail in _more_notes(talk)]
            rows += [(pdu.first, stream, ends[pdu.side], _UNREADABLE, pdu.problem) for pdu in self._pdus[stream]
                     if pdu.content is None and not pdu.missing]
            rows += [(one.first, stream, ends[one.side], _UNREADABLE, one.problem) for one in self._hl7[stream] if one.problem]
        for number, stream, quoted, what, detail in self._icmp():
            rows.append((number, stream, quoted, what, detail))
        rows.sort(key=lambda row: row[0])
        return self._table([(number, self._seconds(min(number, self._count)), *rest) for number, *rest in rows],
                           ["frame", "seconds", "stream", "from", "what", "detail"], ["stream"])

    def _below(self):
        """(frame, what, detail) of frames that could not be read, and of two stations with one address (RFC 5227 calls it a conflict)."""
        found, known = [(number, _UNREADABLE, said) for number, said in self.unread], {}
        for packet in self.packets:
            if packet.arp is None or packet.arp.sender_ip == "0.0.0.0":
                continue
            mac = known.setdefault(packet.arp.sender_ip, packet.arp.sender_mac)
            if mac != packet.arp.sender_mac:
                who = self._name((packet.arp.sender_ip,))
                found.append((packet.number, "two hardware addresses", f"{who} is at {packet.arp.sender_mac}; before it was at {mac}"))
                known[packet.arp.sender_ip] = packet.arp.sender_mac
        return found

    def _icmp(self):
        """(frame, stream, from, what, detail) of ICMP messages that something could not be delivered (RFC 792, 1191)."""
        found = []
        for packet in self.packets:
            message = packet.payload
            if packet.ip is None or packet.ip.protocol != 1 or len(message) < 8 or message[0] != 3:
                continue
            what, detail = "unreachable", f"code {message[1]}"
            if message[1] == 4:
                what, detail = "fragmentation needed", f"the next hop takes {int.from_bytes(message[6:8], 'big')} bytes at most"
            quoted, stream = message[8:], None
            header = 4 * (quoted[0] & 15) if quoted else 0
            if len(quoted) >= header + 4 and header >= 20 and quoted[9] == pcap.TCP:
                ends = {(".".join(map(str, quoted[place:place + 4])), int.from_bytes(quoted[header + port:header + port + 2], "big"))
                        for place, port in ((12, 0), (16, 2))}
                stream = next((number for number, talk in enumerate(self.talks) if {talk.client, talk.server} == ends), None)
            found.append((packet.number, stream, self._name((packet.ip.source,)), what, detail))
        return found


def _uid(uid):
    """A UID by its name in the standard; a private one as it is."""
    from pydicom.uid import UID

    return UID(uid).name


def _utc(time):
    import datetime

    try:
        return f"{datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=time):%Y-%m-%d %H:%M:%S}"
    except OverflowError:               # a damaged file may name any time
        return ""


def _detail(pdu):
    match pdu.content:
        case ul.AssociateRequest(called, calling, contexts):
            return f"{calling} calls {called}, {_several(len(contexts), 'presentation context')}{_largest(pdu.content)}"
        case ul.AssociateAccept(contexts=contexts):
            taken = sum(one.result == 0 for one in contexts)
            return f"{taken} of {_several(len(contexts), 'presentation context')} accepted{_largest(pdu.content)}"
        case ul.AssociateReject(result, source, reason):
            return f"{result}/{source}/{reason}: {ul.REJECT_RESULTS.get(result, '?')}, {ul.REJECT_REASONS.get((source, reason), '?')}"
        case ul.Abort(source, reason):
            return "the application" if source == 0 else f"{source}/{reason}: the upper layer, {ul.ABORT_REASONS.get(reason, '?')}"
        case ul.Data(values):
            kinds = [("command" if value.command else "data set") + ", last" * value.last for value in values]
            return f"{pdu.name}: {'; '.join(kinds)}" if values[0].command else "; ".join(kinds)
    return ""


def _largest(association):
    """How long a P-DATA-TF the sender of a request or acceptance takes (PS3.8 D.1), as the end of a sentence; "" if it does not say."""
    length = association.maximum_length
    return "" if length is None else f", takes PDUs up to {length}" if length else ", takes PDUs of any length"


def _several(count, what):
    return f"{count} {what}" + "s" * (count != 1)


# --- TCP

def _count(stream):
    return sum(len(part) for _, part, _ in stream.parts)


def _missing(stream):
    """(offset, length) of what the capture lacks of a stream, what the other side has confirmed at its end included."""
    behind = stream.acknowledged - stream.end - stream.finished
    # One byte more may be a FIN that was not seen.
    return stream.gaps + ([(stream.end, behind)] if behind > (not stream.finished) and stream.parts else [])


def _opened(talk):
    flags = [packet.tcp.flags for packet in talk.packets]
    if not any(flag & pcap.SYN for flag in flags):
        return "before the capture"
    if any(flag & (pcap.SYN | pcap.ACK) == pcap.SYN | pcap.ACK for flag in flags):
        return "yes"
    answer = next((packet for packet in talk.packets if packet.source == talk.server), None)
    return "no answer" if answer is None else "refused" if answer.tcp.flags & pcap.RST else "yes"


def _ended(talk):
    for packet in talk.packets:
        side = _SIDES[packet.source != talk.client]
        if packet.tcp.flags & pcap.RST:
            return f"RST by {side}"
    first = next((packet for packet in talk.packets if packet.tcp.flags & pcap.FIN), None)
    return "" if first is None else f"FIN by {_SIDES[first.source != talk.client]}"


def _round_trip(talk):
    """From the SYN to the client's ACK of the answer, µs: the round trip, wherever the sniffer stands. None if it wasn't seen whole."""
    syn = ack = None
    for packet in talk.packets:
        kind = packet.tcp.flags & (pcap.SYN | pcap.ACK | pcap.RST)
        if kind == pcap.SYN:
            syn = packet.time
        elif kind == pcap.SYN | pcap.ACK:
            ack = packet.tcp.seq + 1 & 0xFFFFFFFF
        elif kind == pcap.ACK and syn is not None and ack == packet.tcp.ack and packet.source == talk.client:
            return packet.time - syn
    return None


def _tcp_notes(talk):
    """(packet, what, detail) of the segments of a connection that an undisturbed one does not have."""
    found, sides = [], ({}, {})
    for packet in talk.packets:
        segment, state = packet.tcp, sides[packet.source != talk.client]
        size = len(packet.payload) + packet.cut + bool(segment.flags & (pcap.SYN | pcap.FIN))
        next_ = state.get("next")
        if segment.flags & pcap.RST:
            found.append((packet, "RST", ""))
            continue
        if segment.window == 0 and not segment.flags & (pcap.SYN | pcap.FIN):
            found.append((packet, "zero window", ""))
        if next_ is None:
            state.update(next=segment.seq + size & 0xFFFFFFFF, at=packet.time, seen={segment.seq: packet.number})
            continue
        ahead = (segment.seq - next_ + (1 << 31)) % (1 << 32) - (1 << 31)
        if size and ahead < 0:
            before = state["seen"].get(segment.seq)
            if ahead == -1 and len(packet.payload) <= 1 and not segment.flags & (pcap.SYN | pcap.FIN) and before is None:
                found.append((packet, "keep-alive", ""))
            elif before is None and packet.time - state["at"] <= REORDERED:
                found.append((packet, "late", ""))
            else:
                found.append((packet, "sent again", f"as in frame {before}" if before else "for the first time seen here"))
        elif not size and ahead == -1:
            found.append((packet, "keep-alive", ""))
        if size:
            state["seen"].setdefault(segment.seq, packet.number)
            if ahead + size > 0:
                state.update(next=segment.seq + size & 0xFFFFFFFF, at=packet.time)
    return found


def _more_notes(talk):
    """(frame, side, what, detail) of what a connection as a whole shows."""
    found = []
    if _opened(talk) == "no answer":
        found.append((talk.packets[0].number, 0, "no answer", f"{len(talk.packets)} times asked for a connection"))
    for before, after in pairwise(talk.packets):
        if after.time - before.time >= IDLE * 1e6:
            waited = (after.time - before.time) / 1e6
            found.append((after.number, int(after.source != talk.client), "pause", f"{waited:.1f} seconds after frame {before.number}"))
    for side, stream in enumerate(talk.sent):
        own = [packet for packet in talk.packets if (packet.source != talk.client) == side]
        cut = [packet for packet in own if packet.cut]
        behind = {stream.offset(packet.tcp.seq) + len(packet.payload) for packet in cut}
        for at, length in _missing(stream):
            if at not in behind:
                what = "got them, only the capture has not" if stream.acknowledged >= at + length else "did not confirm them"
                found.append((stream.frame(at) or own[0].number, side, "bytes missing",
                              f"{length} after byte {at} of what it sent; the other side {what}"))
        if cut:
            found.append((cut[0].number, side, "frame cut", f"of {_several(len(cut), 'frame')} the end was not captured"))
        wrong = [packet for packet in own if not packet.tcp.checksum_right and not packet.cut]
        if wrong:
            found.append((wrong[0].number, side, "wrong checksum", f"in {_several(len(wrong), 'segment')}; usual where the sniffer runs on "
                                                                   "the sender and its network card computes them"))
        usual, _ = Counter(packet.ip.ttl for packet in own).most_common(1)[0] if own else (None, 0)
        found += [(packet.number, side, "other time to live", f"{packet.ip.ttl}; this host's segments otherwise come with {usual}")
                  for packet in own if packet.ip.ttl != usual]
    return found
