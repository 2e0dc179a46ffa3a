"""DICOM services on this machine's loopback: a healthy one, and nine that each fail in their own way.

    with running([("healthy", "HV_PACS"), ("busy", "HV_VNA")]) as services:
        services[0].port

All of them live in one thread, which ends with the ``with`` block: one selector waits for everything, and a pair of
sockets wakes it, because closing a socket wakes nobody who waits for it on every operating system.
"""

import contextlib
import selectors
import socket
import threading
from dataclasses import dataclass, field

from coursekit.standards import upper_layer as ul

HOST = "127.0.0.1"
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


@dataclass(frozen=True)
class Service:
    """A service that runs: its behaviour (a key of BEHAVIOURS), the AE title that it goes by, and where it listens.

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
        if behaviour not in BEHAVIOURS:
            raise ValueError(f"no service behaves as {behaviour!r}; there are {', '.join(BEHAVIOURS)}")
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._sockets.append(listener)
        listener.bind((HOST, 0))
        service = Service(behaviour, title, listener.getsockname()[1], callers=callers)
        if behaviour != "closed":          # bound but not listening: nobody else can get the port, and a caller is refused
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
            for key, _ in self._selector.select():
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
        self._selector.register(connection, selectors.EVENT_READ, _Talk(service))

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
            connection.sendall(answer.encode())
        if any(isinstance(answer, ul.Abort) for answer in answers):
            self._drop(connection)

    def _drop(self, connection):
        self._selector.unregister(connection)
        connection.close()


def _answers(talk, pdu):
    """The PDUs with which a service answers one."""
    if isinstance(pdu, ul.AssociateRequest) and not talk.accepted:
        return [_answer_to_request(talk, pdu)]
    if isinstance(pdu, ul.ReleaseRequest):
        return [ul.ReleaseReply()]
    if isinstance(pdu, ul.Data) and talk.accepted:
        return [answer for value in pdu.values for answer in _answers_to_value(talk, value)]
    return [] if isinstance(pdu, ul.Abort) else [ul.Abort(2, 2)]


def _answer_to_request(talk, request):
    behaviour = talk.service.behaviour
    if behaviour == "aborts":
        return ul.Abort(0)
    if behaviour == "busy":
        return ul.AssociateReject(2, 3, 2)
    if behaviour == "renamed" or request.called != talk.service.title:
        return ul.AssociateReject(1, 1, 7)
    if behaviour == "strict" or talk.service.callers is not None and request.calling not in talk.service.callers:
        return ul.AssociateReject(1, 1, 3)
    talk.accepted = True
    results = []
    for context in request.contexts:
        syntax = next((one for one in context.transfers if one in SYNTAXES), None)
        fits = context.abstract == VERIFICATION and behaviour == "healthy"
        result = 3 if not fits else 4 if syntax is None else 0
        results.append(ul.ContextResult(context.id, result, syntax or SYNTAXES[0]))
    talk.contexts = tuple(one.id for one in results if one.result == 0)
    return ul.AssociateAccept(request.called, request.calling, tuple(results), IMPLEMENTATION)


def _answers_to_value(talk, value):
    """The answer to a command once its last fragment has come."""
    if not value.command or value.context not in talk.contexts:
        return [] if value.context in talk.contexts else [ul.Abort(2, 6)]
    talk.fragments[value.context] = talk.fragments.get(value.context, b"") + value.data
    if not value.last:
        return []
    command = ul.decode_command(talk.fragments.pop(value.context))
    echo = command.get("CommandField") == 0x0030
    reply = {"AffectedSOPClassUID": VERIFICATION, "CommandField": command.get("CommandField", 0) | 0x8000,
             "MessageIDBeingRespondedTo": command.get("MessageID", 0), "CommandDataSetType": ul.NO_DATA_SET,
             "Status": 0x0000 if echo else 0x0211}
    return ul.fragment(ul.Message(value.context, reply), 16384)
