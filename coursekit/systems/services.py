"""DICOM services on this machine's loopback: healthy ones, and many that each fail in their own way.

    with running([("healthy", "HV_PACS"), ("busy", "HV_VNA")]) as services:
        services[0].port

All of them live in one thread, which ends with the ``with`` block: one selector waits for everything, and a pair of
sockets wakes it, because closing a socket wakes nobody who waits for it on every operating system.
"""

import contextlib
import os
import selectors
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

from coursekit.standards import upper_layer as ul

HOST = "127.0.0.1"
UNREACHED = "127.77.0.1"         # the address of what is behind a firewall that drops every call: `caller.call` hears nothing of it
VERIFICATION = "1.2.840.10008.1.1"
SYNTAXES = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1")          # implicit and explicit VR little endian
IMPLEMENTATION = (ul.MaximumLength(16384), ul.ImplementationClass("2.999.11.1"), ul.ImplementationVersion("COURSEKIT"))
OTHER_PROTOCOL = (b"HTTP/1.1 400 Bad Request\r\nServer: web console\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n"
                  b"Connection: close\r\n\r\nBad Request\n")
BEHAVIOURS = {
    "closed": "nothing listens on the port",
    "silent": "takes the connection and never answers",
    "foreign": "is no DICOM service: it answers in its own language and hangs up",
    "hangs up": "takes the connection, and closes it without a word once it is asked",
    "renamed": "goes by another AE title than the one that is called: A-ASSOCIATE-RJ 1/1/7",
    "strict": "does not know the calling AE title: A-ASSOCIATE-RJ 1/1/3",
    "busy": "has no association left: A-ASSOCIATE-RJ 2/3/2, transient",
    "aborts": "answers the request with A-ABORT",
    "no context": "accepts the association and refuses the Verification presentation context",
    "healthy": "accepts, and answers C-ECHO with 0000H",
}

# Beyond the association and C-ECHO. These accept every SOP class in the first transfer syntax that is offered, unless they say otherwise.
FURTHER = {
    "other application context": "does not support the application context name: A-ASSOCIATE-RJ 1/1/2",
    "other protocol version": "does not support the protocol version: A-ASSOCIATE-RJ 1/2/2",
    "congested": "is congested for a while: A-ASSOCIATE-RJ 2/3/1, transient",
    "starting": "does not know its own title yet: A-ASSOCIATE-RJ 2/1/7, transient",
    "dropped": "is behind a firewall that drops every call: not even a connection comes about",
    "no syntax": "accepts the association and none of the transfer syntaxes: result 4 for each presentation context",
    "accepts and aborts": "accepts the association, and then sends A-ABORT, source 0",
    "aborts midway": "accepts the association, and sends A-ABORT, source 0, at the first P-DATA-TF",
    "mute": "accepts the association and answers nothing that is asked on it, its release included",
    "hangs up midway": "closes the connection at the first P-DATA-TF",
    "resets midway": "resets the connection at the first P-DATA-TF",
    "too long": "answers with a P-DATA-TF that is longer than the caller takes",
    "impatient": "closes a connection on which no request for an association comes in time (ARTIM timer, PS3.8 9.1.5)",
    "C-STORE 0000H": "takes every object, and keeps none",
    "C-STORE A700H": "refuses each object: out of resources",
    "C-STORE A900H": "refuses each object: data set does not match SOP class",
    "C-STORE C000H": "refuses each object: cannot understand",
    "C-STORE B000H": "takes each object with a warning: coercion of data elements",
    "C-STORE 0122H": "refuses each object: SOP class not supported",
    "C-FIND A700H": "refuses each query: out of resources",
    "C-FIND C000H": "refuses each query: unable to process",
    "C-MOVE A801H": "refuses each retrieval: move destination unknown",
    "C-MOVE A702H": "refuses each retrieval: out of resources, unable to perform sub-operations",
    "C-MOVE C000H": "refuses each retrieval with a code of its maker's: unable to process, where others say A801H",
}
_FIELDS = {"C-STORE": 0x0001, "C-FIND": 0x0020, "C-MOVE": 0x0021}
ARTIM_SECONDS = 0.3


@dataclass(frozen=True)
class Service:
    """A service that runs: its behaviour (a key of BEHAVIOURS or FURTHER), the AE title that it goes by, and where it listens.

    callers : the AE titles that it knows as callers; None when it takes every caller, as many archives do
    """

    behaviour: str
    title: str
    port: int
    host: str = HOST
    callers: frozenset | None = None


@dataclass
class _Talk:
    """A connection that was taken: what has come and is not a whole PDU yet, and how far the association is."""

    service: Service
    received: bytes = b""
    contexts: tuple = ()
    accepted: bool = False
    fragments: dict = field(default_factory=dict)
    longest: int = 0                    # bytes of a P-DATA-TF that the caller takes; 0: any
    waiting: dict = field(default_factory=dict)         # context -> the answers that are due when its data set has come
    until: float | None = None          # when an impatient service closes


@contextlib.contextmanager
def running(wanted, callers=None):
    """Run services while the ``with`` block is open.

    wanted  : pairs (behaviour, AE title)
    callers : the AE titles that those which would accept an association know as callers; None for every caller

    Gives a list of Service in the same order. Each listens on a free port of 127.0.0.1.
    """
    loop = _Loop()
    try:
        known = None if callers is None else frozenset(callers)
        services = [loop.open(behaviour, title, known) for behaviour, title in wanted]
        loop.start()
        yield services
    finally:
        loop.stop()


class _Loop:
    """One thread that waits for all sockets at once."""

    def __init__(self):
        self._selector = selectors.DefaultSelector()
        self._wake, woken = socket.socketpair()
        self._selector.register(woken, selectors.EVENT_READ)
        self._sockets = [self._wake, woken]
        self._thread = threading.Thread(target=self._run, name="DICOM services", daemon=True)

    def open(self, behaviour, title, callers):
        """The Service, listening."""
        if behaviour not in BEHAVIOURS and behaviour not in FURTHER:
            raise ValueError(f"no service behaves as {behaviour!r}; there are {', '.join({**BEHAVIOURS, **FURTHER})}")
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._sockets.append(listener)
        listener.bind((HOST, 0))
        service = Service(behaviour, title, listener.getsockname()[1], UNREACHED if behaviour == "dropped" else HOST, callers)
        if behaviour not in ("closed", "dropped"):          # bound but not listening: nobody else can get the port, and a caller is refused
            listener.listen()
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ, service)
        return service

    def start(self):
        """Begin to answer."""
        self._thread.start()

    def stop(self):
        """End the thread and close every socket."""
        if self._thread.is_alive():
            self._wake.sendall(b"\0")
            self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()
        for one in self._sockets:
            one.close()

    def _run(self):
        while True:
            talks = [(key.fileobj, key.data) for key in self._selector.get_map().values() if isinstance(key.data, _Talk) and key.data.until]
            for connection, talk in talks:
                if time.monotonic() >= talk.until:
                    self._drop(connection)
            due = [talk.until for _, talk in talks if talk.until > time.monotonic()]
            for key, _ in self._selector.select(max(0.0, min(due) - time.monotonic()) if due else None):
                if key.data is None:
                    return
                try:
                    if isinstance(key.data, Service):
                        self._take(key.fileobj, key.data)
                    else:
                        self._hear(key.fileobj, key.data)
                except OSError:                                      # the caller has gone: its affair
                    if not isinstance(key.data, Service):
                        self._drop(key.fileobj)

    def _take(self, listener, service):
        connection, _ = listener.accept()
        connection.setblocking(True)                                 # answers are a few bytes, they never block
        talk = _Talk(service)
        if service.behaviour == "impatient":
            talk.until = time.monotonic() + ARTIM_SECONDS
        self._selector.register(connection, selectors.EVENT_READ, talk)

    def _hear(self, connection, talk):
        octets = connection.recv(65536)
        if not octets:
            self._drop(connection)
            return
        if talk.service.behaviour == "silent":
            return
        if talk.service.behaviour in ("foreign", "hangs up"):
            if talk.service.behaviour == "foreign":
                connection.sendall(OTHER_PROTOCOL)
            self._drop(connection)
            return
        try:
            pdus, talk.received = ul.split(talk.received + octets)
            answers = [answer for pdu in pdus for answer in _answers(talk, ul.decode(pdu))]
        except ul.BadPdu:
            answers = [ul.Abort(2, 1)]
        for answer in answers:
            if answer is _MIDWAY:
                if talk.service.behaviour == "resets midway":        # closing without lingering is a reset
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if os.name == "nt" else "ii", 1, 0))
                self._drop(connection)
                return
            connection.sendall(answer.encode())
        if any(isinstance(answer, ul.Abort) for answer in answers):
            self._drop(connection)

    def _drop(self, connection):
        self._selector.unregister(connection)
        connection.close()


_MIDWAY = object()                      # in place of an answer: the connection ends here


def _answers(talk, pdu):
    """The PDUs with which a service answers one."""
    if isinstance(pdu, ul.AssociateRequest) and not talk.accepted:
        talk.until = None
        answers = [_answer_to_request(talk, pdu)]
        return answers + [ul.Abort(0)] if talk.accepted and talk.service.behaviour == "accepts and aborts" else answers
    if talk.accepted and talk.service.behaviour == "mute":
        return []
    if isinstance(pdu, ul.Data) and talk.service.behaviour in ("hangs up midway", "resets midway"):
        return [_MIDWAY]
    if isinstance(pdu, ul.Data) and talk.service.behaviour == "aborts midway":
        return [ul.Abort(0)]
    if isinstance(pdu, ul.ReleaseRequest):
        return [ul.ReleaseReply()]
    if isinstance(pdu, ul.Data) and talk.accepted:
        return [answer for value in pdu.values for answer in _answers_to_value(talk, value)]
    return [] if isinstance(pdu, ul.Abort) else [ul.Abort(2, 2)]


_REJECTS = {"busy": (2, 3, 2), "congested": (2, 3, 1), "starting": (2, 1, 7),
            "other application context": (1, 1, 2), "other protocol version": (1, 2, 2)}


def _answer_to_request(talk, request):
    behaviour = talk.service.behaviour
    if behaviour == "aborts":
        return ul.Abort(0)
    if behaviour in _REJECTS:
        return ul.AssociateReject(*_REJECTS[behaviour])
    if behaviour == "renamed" or request.called != talk.service.title:
        return ul.AssociateReject(1, 1, 7)
    if behaviour == "strict" or talk.service.callers is not None and request.calling not in talk.service.callers:
        return ul.AssociateReject(1, 1, 3)
    talk.accepted = True
    talk.longest = next((one.length for one in request.user_information if isinstance(one, ul.MaximumLength)), 0)
    results = []
    for context in request.contexts:
        if behaviour in FURTHER:
            fits, syntax = True, None if behaviour == "no syntax" or not context.transfers else context.transfers[0]
        else:
            fits = context.abstract == VERIFICATION and behaviour == "healthy"
            syntax = next((one for one in context.transfers if one in SYNTAXES), None)
        result = 3 if not fits else 4 if syntax is None else 0
        results.append(ul.ContextResult(context.id, result, syntax or SYNTAXES[0]))
    talk.contexts = tuple(one.id for one in results if one.result == 0)
    return ul.AssociateAccept(request.called, request.calling, tuple(results), IMPLEMENTATION)


def _answers_to_value(talk, value):
    """The answer to a command once its last fragment has come, and that of its data set where it has one."""
    if value.context not in talk.contexts:
        return [ul.Abort(2, 6)]
    if not value.command:
        return talk.waiting.pop(value.context, []) if value.last else []
    talk.fragments[value.context] = talk.fragments.get(value.context, b"") + value.data
    if not value.last:
        return []
    command = ul.decode_command(talk.fragments.pop(value.context))
    asked = command.get("CommandField", 0)
    reply = {"AffectedSOPClassUID": command.get("AffectedSOPClassUID", VERIFICATION), "CommandField": asked | 0x8000,
             "MessageIDBeingRespondedTo": command.get("MessageID", 0), "CommandDataSetType": ul.NO_DATA_SET,
             "Status": _status(talk.service.behaviour, asked)}
    if "AffectedSOPInstanceUID" in command:
        reply["AffectedSOPInstanceUID"] = command["AffectedSOPInstanceUID"]
    answers = ul.fragment(ul.Message(value.context, reply), 16384)
    if talk.service.behaviour == "too long":
        octets = b"".join(one.values[0].data for one in answers).ljust(max(talk.longest, 1 << 14) + 2, b"\0")
        answers = [ul.Data((ul.Pdv(value.context, True, True, octets),))]
    if command.get("CommandDataSetType", ul.NO_DATA_SET) == ul.NO_DATA_SET:
        return answers
    talk.waiting[value.context] = answers
    return []


def _status(behaviour, asked):
    """The Status with which a service answers a command field: 0211H, unrecognized operation, for what it does not serve (PS3.7 C.5.8)."""
    service, _, code = behaviour.partition(" ")
    if asked == 0x0030:
        return 0x0000
    return int(code[:4], 16) if _FIELDS.get(service) == asked else 0x0211
