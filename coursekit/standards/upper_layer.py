"""The DICOM upper layer as bytes: its seven PDUs (PS3.8 section 9.3) and the DIMSE messages inside (PS3.7).

A PDU is an immutable object with ``encode()``; ``decode`` turns bytes into one, ``split`` cuts a stream of bytes into
PDUs, ``fragment`` puts a message into P-DATA-TF PDUs and ``messages`` takes it out again. Whatever the bytes are,
decoding raises nothing but ``BadPdu``.
"""

from dataclasses import dataclass

from coursekit.errors import CourseError

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"           # PS3.7 A.2.1
HEADER = 6                                              # bytes of a PDU before its content: type, reserved, length
NAMES = {1: "A-ASSOCIATE-RQ", 2: "A-ASSOCIATE-AC", 3: "A-ASSOCIATE-RJ", 4: "P-DATA-TF", 5: "A-RELEASE-RQ",
         6: "A-RELEASE-RP", 7: "A-ABORT"}

# PS3.8 Tables 9-21 and 9-26, PS3.8 Table 9-18.
REJECT_RESULTS = {1: "rejected permanently", 2: "rejected transiently"}
REJECT_REASONS = {
    (1, 1): "no reason given", (1, 2): "application context name not supported", (1, 3): "calling AE title not recognized",
    (1, 7): "called AE title not recognized", (2, 1): "no reason given", (2, 2): "protocol version not supported",
    (3, 1): "temporary congestion", (3, 2): "local limit exceeded",
}
ABORT_REASONS = {0: "reason not specified", 1: "unrecognized PDU", 2: "unexpected PDU", 4: "unrecognized PDU parameter",
                 5: "unexpected PDU parameter", 6: "invalid PDU parameter value"}
CONTEXT_RESULTS = {0: "acceptance", 1: "user rejection", 2: "no reason (provider rejection)",
                   3: "abstract syntax not supported", 4: "transfer syntaxes not supported"}


class BadPdu(CourseError, ValueError):
    """Bytes that are no PDU, or no message, of the DICOM upper layer."""


@dataclass(frozen=True, slots=True)
class Context:
    """A presentation context that is proposed: odd id 1–255, abstract syntax UID, tuple of transfer syntax UIDs."""

    id: int
    abstract: str
    transfers: tuple


@dataclass(frozen=True, slots=True)
class ContextResult:
    """The answer to a presentation context: a key of CONTEXT_RESULTS, and the transfer syntax (significant if 0)."""

    id: int
    result: int
    transfer: str


@dataclass(frozen=True, slots=True)
class MaximumLength:
    """Sub-item 51 (PS3.8 D.1): the longest P-DATA-TF content, in bytes, that the sender will receive; 0: no limit."""

    length: int


@dataclass(frozen=True, slots=True)
class ImplementationClass:
    """Sub-item 52 (PS3.7 D.3.3.2.1)."""

    uid: str


@dataclass(frozen=True, slots=True)
class AsynchronousWindow:
    """Sub-item 53 (PS3.7 D.3.3.3): most operations under way at once; 0: no limit."""

    invoked: int
    performed: int


@dataclass(frozen=True, slots=True)
class Role:
    """Sub-item 54 (PS3.7 D.3.3.4): roles of the association's requestor for a SOP class, each 0 or 1."""

    sop_class: str
    scu: int
    scp: int


@dataclass(frozen=True, slots=True)
class ImplementationVersion:
    """Sub-item 55 (PS3.7 D.3.3.2.3)."""

    name: str


@dataclass(frozen=True, slots=True)
class ExtendedNegotiation:
    """Sub-item 56 (PS3.7 D.3.3.5): `information` is bytes whose meaning depends on the SOP class."""

    sop_class: str
    information: bytes


@dataclass(frozen=True, slots=True)
class UserIdentity:
    """Sub-item 58 (PS3.7 D.3.3.7): kind 1 name, 2 name and passcode, 3 Kerberos, 4 SAML, 5 JWT; the fields are bytes."""

    kind: int
    response_requested: int
    primary: bytes
    secondary: bytes = b""


@dataclass(frozen=True, slots=True)
class OtherItem:
    """A user information sub-item of another type, as it came (PS3.8 D.2: to be ignored, no reason to refuse)."""

    type: int
    content: bytes


class _Association:
    """What request and acceptance share."""

    __slots__ = ()

    def _item(self, kind):
        return next((item for item in self.user_information if isinstance(item, kind)), None)

    @property
    def maximum_length(self):
        """Longest content of a P-DATA-TF that the sender of this PDU will receive, bytes; 0: no limit, None: not said."""
        item = self._item(MaximumLength)
        return item and item.length

    @property
    def implementation(self):
        """Implementation class UID and version name of the sender, each None if not said."""
        uid, version = self._item(ImplementationClass), self._item(ImplementationVersion)
        return uid and uid.uid, version and version.name

    @property
    def roles(self):
        """{SOP class UID: (SCU role, SCP role)} as negotiated by sub-items 54."""
        return {item.sop_class: (item.scu, item.scp) for item in self.user_information if isinstance(item, Role)}

    def _encode(self, contexts):
        fixed = self.protocol_version.to_bytes(2, "big") + bytes(2) + _title(self.called) + _title(self.calling) + bytes(32)
        user = b"".join(_encode_user(item) for item in self.user_information)
        return _pdu(self.type, fixed + _item(0x10, self.application_context) + contexts + _item(0x50, user))


@dataclass(frozen=True)
class AssociateRequest(_Association):
    """A-ASSOCIATE-RQ (PS3.8 9.3.2). AE titles without padding; `contexts` of Context, `user_information` of sub-items."""

    called: str
    calling: str
    contexts: tuple
    user_information: tuple
    application_context: str = APPLICATION_CONTEXT
    protocol_version: int = 1
    type = 1

    def encode(self):
        """The PDU as bytes."""
        return self._encode(b"".join(
            _item(0x20, bytes((context.id, 0, 0, 0)) + _item(0x30, context.abstract)
                  + b"".join(_item(0x40, syntax) for syntax in context.transfers))
            for context in self.contexts))


@dataclass(frozen=True)
class AssociateAccept(_Association):
    """A-ASSOCIATE-AC (PS3.8 9.3.3). `contexts` of ContextResult; the AE titles repeat those of the request."""

    called: str
    calling: str
    contexts: tuple
    user_information: tuple
    application_context: str = APPLICATION_CONTEXT
    protocol_version: int = 1
    type = 2

    def encode(self):
        """The PDU as bytes."""
        return self._encode(b"".join(
            _item(0x21, bytes((context.id, 0, context.result, 0)) + _item(0x40, context.transfer))
            for context in self.contexts))


@dataclass(frozen=True)
class AssociateReject:
    """A-ASSOCIATE-RJ (PS3.8 9.3.4): result, source and reason, numbers of Table 9-21."""

    result: int
    source: int
    reason: int
    type = 3

    def encode(self):
        """The PDU as bytes."""
        return _pdu(3, bytes((0, self.result, self.source, self.reason)))


@dataclass(frozen=True, slots=True)
class Pdv:
    """A presentation data value (PS3.8 9.3.5.1, E.2): a fragment of a command set or of a data set."""

    context: int
    command: bool
    last: bool
    data: bytes


@dataclass(frozen=True)
class Data:
    """P-DATA-TF (PS3.8 9.3.5): one or more Pdv."""

    values: tuple
    type = 4

    def encode(self):
        """The PDU as bytes."""
        return _pdu(4, b"".join(
            (len(value.data) + 2).to_bytes(4, "big") + bytes((value.context, value.command | value.last << 1)) + value.data
            for value in self.values))


@dataclass(frozen=True)
class ReleaseRequest:
    """A-RELEASE-RQ (PS3.8 9.3.6)."""

    type = 5

    def encode(self):
        """The PDU as bytes."""
        return _pdu(5, bytes(4))


@dataclass(frozen=True)
class ReleaseReply:
    """A-RELEASE-RP (PS3.8 9.3.7)."""

    type = 6

    def encode(self):
        """The PDU as bytes."""
        return _pdu(6, bytes(4))


@dataclass(frozen=True)
class Abort:
    """A-ABORT (PS3.8 9.3.8): source 0 the application, 2 the upper layer; reason of ABORT_REASONS if the source is 2."""

    source: int
    reason: int = 0
    type = 7

    def encode(self):
        """The PDU as bytes."""
        return _pdu(7, bytes((0, 0, self.source, self.reason)))


def _pdu(kind, content):
    return bytes((kind, 0)) + len(content).to_bytes(4, "big") + content


def _item(kind, content):
    if isinstance(content, str):
        content = content.encode("latin-1")
    return bytes((kind, 0)) + len(content).to_bytes(2, "big") + content


def _title(text):
    title = text.encode("latin-1").ljust(16)
    if len(title) > 16:
        raise BadPdu(f"An AE title has at most 16 characters; {text!r} has {len(text)}.")
    return title


def _counted(data):
    return len(data).to_bytes(2, "big") + data


def _encode_user(item):
    match item:
        case MaximumLength(length):
            return _item(0x51, length.to_bytes(4, "big"))
        case ImplementationClass(uid):
            return _item(0x52, uid)
        case AsynchronousWindow(invoked, performed):
            return _item(0x53, invoked.to_bytes(2, "big") + performed.to_bytes(2, "big"))
        case Role(sop_class, scu, scp):
            return _item(0x54, _counted(sop_class.encode("latin-1")) + bytes((scu, scp)))
        case ImplementationVersion(name):
            return _item(0x55, name)
        case ExtendedNegotiation(sop_class, information):
            return _item(0x56, _counted(sop_class.encode("latin-1")) + information)
        case UserIdentity(kind, response, primary, secondary):
            return _item(0x58, bytes((kind, response)) + _counted(primary) + _counted(secondary))
        case OtherItem(kind, content):
            return _item(kind, content)
    raise TypeError(f"{item!r} is no sub-item of user information")


class _Reader:
    """A walk through bytes that cannot leave them."""

    def __init__(self, data, what):
        self.data, self.at, self.what = data, 0, what

    def take(self, count):
        if self.at + count > len(self.data):
            raise BadPdu(f"{self.what} ends too early: {count} bytes are due at its byte {self.at}, "
                         f"{len(self.data) - self.at} are there.")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, count):
        return int.from_bytes(self.take(count), "big")

    def rest(self):
        return self.take(len(self.data) - self.at)

    def items(self):
        """(type, content) of each item up to the end."""
        while self.at < len(self.data):
            kind, _ = self.take(2)
            yield kind, self.take(self.number(2))


def _text(data):
    # A UID or name is not padded here (PS3.8 F.1), but some senders do it.
    return data.decode("latin-1").rstrip("\0 ")


def decode(data):
    """The PDU that `data` (bytes) is: an object of one of the seven classes above.

    Raises BadPdu when it is none, or when bytes are missing or left over.
    """
    data = bytes(data)
    if len(data) < HEADER:
        raise BadPdu(f"A PDU begins with {HEADER} bytes of type and length; there are {len(data)}.")
    kind, length = data[0], int.from_bytes(data[2:HEADER], "big")
    if kind not in NAMES:
        raise BadPdu(f"A PDU has a type from 01 to 07; this one begins with {kind:02X}.")
    if length != len(data) - HEADER:
        raise BadPdu(f"The {NAMES[kind]} says that {length} bytes follow its header; there are {len(data) - HEADER}.")
    reader = _Reader(data[HEADER:], f"The {NAMES[kind]}")
    if kind == 1:
        return _decode_association(reader, AssociateRequest, 0x20, _decode_context)
    if kind == 2:
        return _decode_association(reader, AssociateAccept, 0x21, _decode_result)
    if kind == 4:
        return _decode_data(reader)
    fields = reader.take(4)
    if reader.rest():
        raise BadPdu(f"The content of an {NAMES[kind]} has 4 bytes; this one has {length}.")
    if kind == 3:
        return AssociateReject(*fields[1:])
    if kind == 7:
        return Abort(*fields[2:])
    return ReleaseRequest() if kind == 5 else ReleaseReply()


def _decode_association(reader, cls, context_type, decode_context):
    version = reader.number(2)
    reader.take(2)
    called, calling = (reader.take(16).decode("latin-1").strip(" \0") for _ in range(2))
    reader.take(32)
    application, contexts, user = "", [], []
    for kind, content in reader.items():
        if kind == 0x10:
            application = _text(content)
        elif kind == context_type:
            contexts.append(decode_context(_Reader(content, f"Item {kind:02X}")))
        elif kind == 0x50:
            user += [_decode_user(number, _Reader(part, f"Sub-item {number:02X}"))
                     for number, part in _Reader(content, "Item 50").items()]
    return cls(called, calling, tuple(contexts), tuple(user), application, version)


def _decode_context(reader):
    number = reader.take(4)[0]
    abstract, transfers = "", []
    for kind, content in reader.items():
        if kind == 0x30:
            abstract = _text(content)
        elif kind == 0x40:
            transfers.append(_text(content))
    return Context(number, abstract, tuple(transfers))


def _decode_result(reader):
    number, _, result, _ = reader.take(4)
    transfers = [_text(content) for kind, content in reader.items() if kind == 0x40]
    return ContextResult(number, result, transfers[0] if transfers else "")


def _decode_user(kind, reader):
    match kind:
        case 0x51:
            return MaximumLength(reader.number(4))
        case 0x52:
            return ImplementationClass(_text(reader.rest()))
        case 0x53:
            return AsynchronousWindow(reader.number(2), reader.number(2))
        case 0x54:
            return Role(_text(reader.take(reader.number(2))), *reader.take(2))
        case 0x55:
            return ImplementationVersion(_text(reader.rest()))
        case 0x56:
            return ExtendedNegotiation(_text(reader.take(reader.number(2))), reader.rest())
        case 0x58:
            return UserIdentity(*reader.take(2), reader.take(reader.number(2)), reader.take(reader.number(2)))
    return OtherItem(kind, reader.rest())


def _decode_data(reader):
    values = []
    while reader.at < len(reader.data):
        part = _Reader(reader.take(reader.number(4)), "A presentation data value")
        context, header = part.take(2)
        values.append(Pdv(context, bool(header & 1), bool(header & 2), part.rest()))
    if not values:
        raise BadPdu("A P-DATA-TF holds at least one presentation data value; this one is empty.")
    return Data(tuple(values))


def split(stream):
    """Cut what one side of a connection sent into PDUs.

    Returns the complete PDUs, a list of bytes, and the bytes that are left: the beginning of a PDU, or b"".
    Raises BadPdu where a PDU should begin and the type is none: the stream is no DICOM, or not from its beginning.
    """
    found, at = [], 0
    while at < len(stream):
        if stream[at] not in NAMES:
            raise BadPdu(f"A PDU should begin at byte {at} of the stream, but there is {stream[at]:02X}, which is no type.")
        end = at + HEADER + int.from_bytes(stream[at + 2:at + HEADER], "big")
        if at + HEADER > len(stream) or end > len(stream):
            break
        found.append(bytes(stream[at:end]))
        at = end
    return found, bytes(stream[at:])


# --- DIMSE messages

NO_DATA_SET = 0x0101                                    # Command Data Set Type (0000,0800), PS3.7 E.1
COMMANDS = {
    0x0001: "C-STORE-RQ", 0x8001: "C-STORE-RSP", 0x0010: "C-GET-RQ", 0x8010: "C-GET-RSP", 0x0020: "C-FIND-RQ",
    0x8020: "C-FIND-RSP", 0x0021: "C-MOVE-RQ", 0x8021: "C-MOVE-RSP", 0x0030: "C-ECHO-RQ", 0x8030: "C-ECHO-RSP",
    0x0100: "N-EVENT-REPORT-RQ", 0x8100: "N-EVENT-REPORT-RSP", 0x0110: "N-GET-RQ", 0x8110: "N-GET-RSP",
    0x0120: "N-SET-RQ", 0x8120: "N-SET-RSP", 0x0130: "N-ACTION-RQ", 0x8130: "N-ACTION-RSP", 0x0140: "N-CREATE-RQ",
    0x8140: "N-CREATE-RSP", 0x0150: "N-DELETE-RQ", 0x8150: "N-DELETE-RSP", 0x0FFF: "C-CANCEL-RQ",
}
ELEMENTS = {  # PS3.7 Table E.1-1: element number -> keyword, VR
    0x0000: ("CommandGroupLength", "UL"), 0x0002: ("AffectedSOPClassUID", "UI"), 0x0003: ("RequestedSOPClassUID", "UI"),
    0x0100: ("CommandField", "US"), 0x0110: ("MessageID", "US"), 0x0120: ("MessageIDBeingRespondedTo", "US"),
    0x0600: ("MoveDestination", "AE"), 0x0700: ("Priority", "US"), 0x0800: ("CommandDataSetType", "US"),
    0x0900: ("Status", "US"), 0x0901: ("OffendingElement", "AT"), 0x0902: ("ErrorComment", "LO"), 0x0903: ("ErrorID", "US"),
    0x1000: ("AffectedSOPInstanceUID", "UI"), 0x1001: ("RequestedSOPInstanceUID", "UI"), 0x1002: ("EventTypeID", "US"),
    0x1005: ("AttributeIdentifierList", "AT"), 0x1008: ("ActionTypeID", "US"),
    0x1020: ("NumberOfRemainingSuboperations", "US"), 0x1021: ("NumberOfCompletedSuboperations", "US"),
    0x1022: ("NumberOfFailedSuboperations", "US"), 0x1023: ("NumberOfWarningSuboperations", "US"),
    0x1030: ("MoveOriginatorApplicationEntityTitle", "AE"), 0x1031: ("MoveOriginatorMessageID", "US"),
}
_NUMBERS = {keyword: (number, vr) for number, (keyword, vr) in ELEMENTS.items()}


@dataclass(frozen=True)
class Message:
    """A DIMSE message: the id of its presentation context, the command set as a dict, the data set as bytes or None."""

    context: int
    command: dict
    data: bytes | None = None

    @property
    def name(self):
        """What it is, such as "C-STORE-RQ"; of an unknown command field, its four hex digits."""
        field = self.command.get("CommandField")
        return COMMANDS.get(field, "none" if field is None else f"{field:04X}")


def encode_command(command):
    """A command set as bytes: implicit VR little endian, ascending tags, with its group length (PS3.7 6.3.1).

    command : dict of keyword of PS3.7 Table E.1-1 to int (US), text (UI, AE, LO) or list of (group, element) (AT)

    Raises BadPdu for an unknown keyword or a value that its VR cannot hold.
    """
    parts = {}
    for keyword, value in command.items():
        if keyword == "CommandGroupLength":
            continue
        if keyword not in _NUMBERS:
            raise BadPdu(f"PS3.7 has no command element {keyword!r}.")
        number, vr = _NUMBERS[keyword]
        try:
            parts[number] = _encode_value(vr, value)
        except (TypeError, ValueError, AttributeError, OverflowError):
            raise BadPdu(f"{keyword} cannot hold {value!r}: its value representation is {vr}.") from None
    body = b"".join(_command_element(number, parts[number]) for number in sorted(parts))
    return _command_element(0, len(body).to_bytes(4, "little")) + body


def _command_element(number, value):
    return b"\0\0" + number.to_bytes(2, "little") + len(value).to_bytes(4, "little") + value


def _encode_value(vr, value):
    if vr == "US":
        return value.to_bytes(2, "little")
    if vr == "AT":
        return b"".join(part.to_bytes(2, "little") for tag in value for part in tag)
    data = value.encode("latin-1")
    return data + (b"\0" if vr == "UI" else b" ") * (len(data) % 2)


def decode_command(data):
    """The command set in `data` (bytes): a dict as ``encode_command`` takes it, with CommandGroupLength.

    An element that PS3.7 does not know has its tag, such as "(0000,5010)", as keyword and bytes as value.
    Raises BadPdu when the bytes are no command set.
    """
    command, reader = {}, _Reader(bytes(data), "The command set")
    while reader.at < len(reader.data):
        group, number, length = (int.from_bytes(reader.take(size), "little") for size in (2, 2, 4))
        keyword, vr = ELEMENTS.get(number, (f"(0000,{number:04x})", None))
        if group:
            raise BadPdu(f"A command set has elements of group 0000 only; here is ({group:04x},{number:04x}).")
        if keyword in command:
            raise BadPdu(f"The command set holds {keyword} twice.")
        command[keyword] = _decode_value(keyword, vr, reader.take(length))
    return command


def _decode_value(keyword, vr, data):
    size = {"US": 2, "UL": 4, "AT": 4}.get(vr)
    if size and (len(data) % size or vr != "AT" and len(data) != size):
        raise BadPdu(f"{keyword} has {len(data)} bytes; a value of {vr} has {size}.")
    if vr in ("US", "UL"):
        return int.from_bytes(data, "little")
    if vr == "AT":
        return [(int.from_bytes(data[at:at + 2], "little"), int.from_bytes(data[at + 2:at + 4], "little"))
                for at in range(0, len(data), 4)]
    return data if vr is None else _text(data)


def fragment(message, maximum_length=0):
    """The P-DATA-TF PDUs that carry `message`: a list of Data, the command in the first ones (PS3.8 annex E).

    Each PDU holds one presentation data value, and its content is no longer than `maximum_length` bytes (0: no limit).
    Raises BadPdu when that leaves no room for data.
    """
    room = (maximum_length - HEADER) & ~1 if maximum_length else 1 << 31     # a fragment has an even number of bytes
    if room < 2:
        raise BadPdu(f"A maximum length of {maximum_length} bytes leaves no room for data.")
    parts = [(True, encode_command(message.command))]
    if message.data is not None:
        parts.append((False, message.data))
    return [Data((Pdv(message.context, command, at + room >= len(data), data[at:at + room]),))
            for command, data in parts for at in range(0, max(len(data), 1), room)]


def messages(pdus):
    """Put the messages together that one side of an association sent.

    pdus : its PDUs in order, decoded; those that are no P-DATA-TF are passed over

    Returns the complete messages, a list of Message. Raises BadPdu when fragments do not fit (PS3.8 E.1).
    """
    found, command, parts, context = [], None, [], None
    for value in (value for pdu in pdus if isinstance(pdu, Data) for value in pdu.values):
        if parts and value.context != context or command is not None and value.context != context:
            raise BadPdu(f"A fragment of context {value.context} lies between those of a message of context {context}.")
        if value.command != (command is None):
            raise BadPdu("A fragment of a data set comes before its command." if command is None
                         else "A command comes before the data set that the last command announced.")
        context = value.context
        parts.append(value.data)
        if not value.last:
            continue
        data, parts = b"".join(parts), []
        if command is None:
            command = decode_command(data)
            if command.get("CommandDataSetType", NO_DATA_SET) != NO_DATA_SET:
                continue
            data = None
        found.append(Message(context, command, data))
        command = None
    return found
