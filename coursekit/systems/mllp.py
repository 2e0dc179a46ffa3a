"""MLLP, how HL7 v2 messages travel over TCP: the frames, a listener, a sender.

    with Listener("HV_PACS") as pacs:
        acknowledgement = send(pacs.host, pacs.port, message)

A frame is <VT> message <FS><CR>, bytes 0B ... 1C 0D (HL7 Transport Specification: MLLP, Release 1, Block Format). TCP carries a stream:
a frame may come in pieces, and several in one piece. With certificates it travels over TLS (IHE ITI TF-2 3.19.6.2), on a port that then
takes nothing else.
"""

import contextlib
import ctypes
import linecache
import selectors
import socket
import ssl
import threading
import time
from pathlib import Path

from coursekit.errors import CourseError
from coursekit.standards import hl7
from coursekit.systems import certificates as nodes
from coursekit.systems.caller import CONNECT_SECONDS
from coursekit.systems.system import HOST, System

START, END = b"\x0b", b"\x1c\r"
LIMIT = 8 * 1024 * 1024          # bytes of a message: a report with a PDF inside fits
CONNECTIONS = 200                # at once; with LIMIT, the bound of a listener's memory
STRAY = 65536                    # bytes without a frame, after which nothing more is expected of a connection
BEGINNING = 4096                 # bytes that are kept of what is no message
PIECE = 65536
UNREADABLE = "?"                 # the sender of what is no message, in a journal
_COURSE = Path(__file__).parent.parent


class NoAnswer(CourseError):
    """A message was sent, or could not be, and no acknowledgement of it came. Whether it arrived is unknown."""


class TooLong(CourseError):
    """A frame that is longer than its limit. `begun` is how it begins."""

    def __init__(self, limit, begun):
        super().__init__(f"The message is longer than {limit} bytes.")
        self.begun = begun


def frame(message):
    """A message (bytes as they are; text or a ``hl7.Message``, encoded) in its frame: bytes."""
    return START + _octets(message) + END


def _octets(message):
    return bytes(message) if isinstance(message, bytes | bytearray | memoryview) else hl7.parse(message).encode()


class Deframer:
    """Takes messages out of a stream.

    Bytes between frames are passed over. A start block inside a frame begins a new one: the sender gave the other up.

    limit : the longest message, in bytes
    open  : whether a frame has begun and not ended
    stray : how many bytes were passed over
    cut   : how many frames were given up by their sender
    """

    def __init__(self, limit=LIMIT):
        self.limit, self.open, self.stray, self.cut = limit, False, 0, 0
        self._held, self._searched = bytearray(), 0          # what has come of the open frame, and how much of it was looked at

    def feed(self, octets):
        """Take the next bytes of the stream: an iterator over the messages (bytes) that they complete. Raises TooLong."""
        held = self._held
        held += octets
        while held:
            if not self.open:
                start = held.find(START)
                self.stray += len(held) if start < 0 else start
                del held[:len(held) if start < 0 else start + 1]
                if start < 0:
                    return
                self.open, self._searched = True, 0
            end = held.find(END, self._searched)
            length = len(held) if end < 0 else end
            again = held.rfind(START, self._searched, length)
            if again >= 0:
                self.cut += held.count(START, self._searched, length)
                del held[:again + 1]
                self._searched = 0
            elif length > self.limit:
                begun, self._held, self.open = bytes(held[:BEGINNING]), bytearray(), False
                raise TooLong(self.limit, begun)
            elif end < 0:
                self._searched = max(length - 1, 0)          # the last byte may be the first half of the end
                return
            else:
                message = bytes(held[:end])
                del held[:end + len(END)]
                self.open = False
                yield message


class Listener(System):
    """A receiver of HL7 messages.

    answer : a function that is given each message (a ``hl7.Message``) and returns its acknowledgement (another) or None; what it
             raises as ``hl7.Refusal`` is answered with that. If None, every message with a sound header is accepted
    port   : the port on 127.0.0.1; 0 takes a free one, which is `port` once it runs
    limit  : the longest message, in bytes; a longer one is answered AE, and its connection ended
    patience : seconds that a frame may take from its first to its last byte; after that its connection is ended
    clock  : a function that gives the text for MSH-7 of acknowledgements; None is this machine's clock
    certificates : as of ``web.WebServer``
    refused : a function that is told in a sentence why a node was refused in TLS, or has refused this one, or None

    Each connection has a thread. Its journal notes each message and what was answered; of an exception in `answer`, which is answered AR,
    it has the line of code as `data`.
    """

    def __init__(self, name, answer=None, port=0, limit=LIMIT, patience=30.0, clock=None, certificates=None,
                 refused=None):
        super().__init__(name)
        self.port, self._asked, self.limit, self.patience = port, port, limit, patience
        self._answer, self._clock = answer, clock or (lambda: None)
        self.certificates, self._refused, self._tls = certificates, refused, None
        self._lock, self._connections, self._threads = threading.Lock(), set(), []
        self._socket = self._wake = self._woken = self._acceptor = None

    def __repr__(self):
        return f"{self.name}, HL7 listener, {'running' if self._runs else 'stopped'}"

    def _begin(self):
        # create_server sets SO_REUSEADDR where it means "at once after a stop", and not on Windows, where it means "share the port".
        self._tls = nodes.server_context(self.certificates)
        self._socket = socket.create_server((HOST, self._asked), backlog=128)
        self._socket.setblocking(False)
        self.port = self._socket.getsockname()[1]
        self._wake, self._woken = socket.socketpair()
        self._acceptor = self._start(self._accept)

    def _end(self):
        if self._wake is not None:
            self._wake.close()                                       # the other end is readable now, for every thread that waits
        if self._acceptor is not None:
            end(self._acceptor)
        give_up = time.monotonic() + 0.5                             # for the answers to what has come
        for thread in self._threads:
            thread.join(max(give_up - time.monotonic(), 0))
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):                   # it's gone already
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            end(thread)
        for one in (self._socket, self._woken):
            if one is not None:
                one.close()
        self._socket = self._wake = self._woken = self._acceptor = None

    def _start(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, name=f"{self.name} listener", daemon=True)
        thread.start()
        return thread

    @contextlib.contextmanager
    def _waiting_for(self, one):
        """Gives a function that waits until a socket is readable: False when its seconds are over, None when the listener ends."""
        with selectors.DefaultSelector() as selector:
            selector.register(one, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)

            def wait(seconds=None):
                ready = [key.fileobj for key, _ in selector.select(seconds)]
                return None if self._woken in ready else bool(ready)

            yield wait

    def _accept(self):
        with self._waiting_for(self._socket) as wait:
            while wait():
                try:
                    connection, _ = self._socket.accept()
                except OSError:                                      # the caller has gone, or no file handle is left
                    time.sleep(0.01)
                    continue
                self._threads = [thread for thread in self._threads if thread.is_alive()]
                if len(self._threads) < CONNECTIONS:
                    with self._lock:
                        self._connections.add(connection)
                    self._threads.append(self._start(self._serve, connection))
                else:
                    connection.close()

    def _serve(self, connection):
        deframer = Deframer(self.limit)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(self.patience)                     # for a caller that never takes its acknowledgements
            if self._tls:
                connection = self._trusted(connection)
            with self._waiting_for(connection) as wait:
                self._converse(connection, deframer, wait)
        except (OSError, SystemExit):                                # the caller has gone: its affair; or `end` had to end this
            pass
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()
        if deframer.cut or deframer.open:
            self.journal.add(UNREADABLE, self.name, "frame without end")
        if deframer.stray:
            self.journal.add(UNREADABLE, self.name, "bytes outside a frame")

    def _trusted(self, connection):
        """The connection in TLS, once both sides have shown their certificates. A node that is refused, or refuses this one, is noted."""
        secure = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._connections.discard(connection)
            self._connections.add(secure)
        try:
            secure.do_handshake()
        except OSError as problem:
            if isinstance(problem, ssl.SSLError) and not isinstance(problem, ssl.SSLEOFError | ssl.SSLZeroReturnError):
                self.journal.add("client", self.name, "Authenticate Node", reason := f"refused: {nodes.why(problem)}")
                if self._refused:
                    self._refused(reason)
                with self._waiting_for(secure) as wait:
                    self._drain(secure, wait)
            with self._lock:
                self._connections.discard(secure)
            secure.close()
            raise
        return secure

    def _converse(self, connection, deframer, wait):
        give_up, stray = None, 0
        unread = connection.pending if self._tls else int            # TLS may have taken more from the network than one reading gave
        while unread() or wait(None if give_up is None else max(give_up - time.monotonic(), 0)):
            octets = connection.recv(PIECE)
            if not octets:
                return
            try:
                for message in deframer.feed(octets):
                    give_up, stray = None, deframer.stray
                    self._give(connection, self._handle(message))
            except TooLong as error:
                self._give(connection, self._unreadable(error.begun, str(error)))
                self._drain(connection, wait)
                return
            if deframer.stray - stray > STRAY:
                return
            if not deframer.open:
                give_up = None
            elif give_up is None:
                give_up = time.monotonic() + self.patience

    def _give(self, connection, answer):
        if answer is not None:
            connection.sendall(frame(answer))

    def _drain(self, connection, wait):
        """Let the caller read its answer: closed with bytes unread, the connection would be reset and the answer lost."""
        connection.shutdown(socket.SHUT_WR)
        give_up = time.monotonic() + self.patience
        while (left := give_up - time.monotonic()) > 0 and wait(left) and connection.recv(PIECE):
            pass

    def _handle(self, octets):
        """The answer to what a frame held, noted in the journal."""
        try:
            message = hl7.parse(octets)
        except hl7.BadMessage as error:
            return self._unreadable(octets, str(error))
        source = message.sender or UNREADABLE
        self.journal.add(source, self.name, message.event, message.control_id, message)
        try:
            answer = self._judge(message)
            if not isinstance(answer, hl7.Message | None):
                raise TypeError(f"the answer is {type(answer).__name__}, not a message")
            if answer is not None:
                answer.encode()                                      # so that one that can't be written is met here
        except hl7.Refusal as refusal:
            answer = hl7.reply(message, refusal, self._clock())
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            self.journal.add(self.name, self.name, "failed", reason, line_of(error))
            answer = hl7.reply(message, hl7.Refusal("AR", reason), self._clock())
        self._note(answer, source)
        return answer

    def _judge(self, message):
        if self._answer is not None:
            return self._answer(message)
        hl7.check_header(message)
        return hl7.reply(message, at=self._clock())

    def _unreadable(self, octets, reason):
        self.journal.add(UNREADABLE, self.name, "no message", reason, octets[:BEGINNING])
        answer = hl7.unreadable(octets, reason, self._clock())
        self._note(answer, UNREADABLE)
        return answer

    def _note(self, answer, target):
        if answer is not None:
            self.journal.add(self.name, target, answer.event, f"{answer['MSA-1']} {answer['MSA-2']}".strip(), answer)


class Sender:
    """A connection over which messages are sent, one after another; it's opened when it's needed and kept.

    seconds : how long to wait for the connection and for each acknowledgement
    limit   : the longest acknowledgement, in bytes
    certificates : as of ``web.Caller``; with them it speaks TLS

    With ``with``, or ``close()`` at the end.
    """

    def __init__(self, host, port, seconds=10.0, limit=LIMIT, certificates=None):
        self._to, self._seconds, self._limit = (host, port), seconds, limit
        self._tls = nodes.caller_context(certificates) if certificates else None
        self._connection, self._deframer = None, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End the connection. From another thread, it ends a ``send`` that waits, too."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError):                       # the other side has ended it
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def send(self, message):
        """Send a message (bytes, text or a ``hl7.Message``): the acknowledgement (a ``hl7.Message``) that names its MSH-10 in MSA-2.

        None when the message wants no answer (MSH-15), or wants one of failures only and none has come in `seconds`. Raises NoAnswer,
        and hl7.BadMessage when it's no message.
        """
        octets = _octets(message)
        asked = hl7.parse(octets)
        try:
            connection = self._connected()
            try:
                connection.sendall(START + octets + END)
                answer = self._answer(connection, asked)
            except TimeoutError:
                if _silence_is_consent(asked):
                    return None
                raise NoAnswer("No acknowledgement came in time.") from None
        except NoAnswer:
            self.close()                                             # what comes late must not be taken for the next answer
            raise
        except hl7.BadMessage as error:
            self.close()
            raise NoAnswer(f"What came back is no acknowledgement. {error}") from None
        except (OSError, TooLong) as error:
            error = nodes.told(self._connection, error)
            self.close()
            if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
                raise NoAnswer(f"The two nodes do not trust each other: {nodes.why(error)}.") from None
            if self._tls and isinstance(error, ConnectionError | ssl.SSLEOFError):
                raise NoAnswer("The other side has hung up, as a node does that does not trust this one's certificate, or got none.") from None
            raise NoAnswer(f"The connection broke off: {error if isinstance(error, TooLong) else type(error).__name__}.") from None
        return answer

    def _connected(self):
        if self._connection is not None and not _quiet(self._connection):
            self.close()                                             # ended by the other side meanwhile, or an answer that nobody asked for
        if self._connection is None:
            try:
                connection = socket.create_connection(self._to, timeout=min(self._seconds, CONNECT_SECONDS))
            except ConnectionRefusedError:
                raise NoAnswer("Nobody listens there: the connection was refused.") from None
            except OSError as error:
                raise NoAnswer(f"No connection: {error.strerror or 'it timed out'}.") from None
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls:
                connection.settimeout(self._seconds)
                connection = self._tls.wrap_socket(connection)
            self._connection, self._deframer = connection, Deframer(self._limit)
        self._connection.settimeout(self._seconds)
        return self._connection

    def _answer(self, connection, asked):
        if hl7.enhanced(asked) and not hl7.same_as_original(asked) and asked["MSH-15"] not in ("AL", "ER", "SU"):
            return None
        give_up = time.monotonic() + self._seconds
        while True:
            left = give_up - time.monotonic()
            if left <= 0:
                raise TimeoutError
            connection.settimeout(left)
            octets = connection.recv(PIECE)
            if not octets:
                raise NoAnswer("The other side hung up without an acknowledgement.")
            for message in self._deframer.feed(octets):
                answer = hl7.parse(message)
                if answer["MSA-1"] not in hl7.ACCEPTED + hl7.REFUSED:
                    raise NoAnswer("What came back is no acknowledgement: it has no code in MSA-1.")
                # A receiver that could not read a message can't name it.
                if answer["MSA-2"] != asked.control_id and (answer["MSA-2"] or answer["MSA-1"] in hl7.ACCEPTED):
                    raise NoAnswer(f"The acknowledgement is one of {answer['MSA-2']!r}, not of {asked.control_id!r}.")
                return answer


def _quiet(connection):
    """Whether a connection stands and nothing has come over it."""
    connection.setblocking(False)
    try:
        if isinstance(connection, ssl.SSLSocket):
            connection.recv(1)                                       # TLS lets nobody peek; what came unasked ends the connection anyway
        else:
            connection.recv(1, socket.MSG_PEEK)
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        pass
    return False


def _silence_is_consent(message):
    return hl7.enhanced(message) and not hl7.same_as_original(message) and message["MSH-15"] == "ER"


def send(host, port, message, seconds=10.0, certificates=None):
    """Send a message, or each of a list of messages over one connection, and wait for each acknowledgement as ``Sender.send`` does.

    Returns the acknowledgement, or a list of them.
    """
    with Sender(host, port, seconds, certificates=certificates) as sender:
        return [sender.send(one) for one in message] if isinstance(message, list | tuple) else sender.send(message)


def line_of(error):
    """The line of somebody's own code, none of the course's, in which an exception was raised; "" when it can't be told."""
    line, step = "", error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if _COURSE not in Path(code.co_filename).parents:
            line = linecache.getline(code.co_filename, step.tb_lineno).strip() or line
        step = step.tb_next
    return line[:80]


def end(thread, seconds=2.0):
    """Wait for a thread that has been told to end. In one that does not, for it carries out a function without end, an exception is raised
    until it does; a call into C can't be ended so."""
    thread.join(seconds)
    give_up = time.monotonic() + 1
    while thread.is_alive() and time.monotonic() < give_up:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
        thread.join(0.02)
