"""An audit record repository that runs: it takes DICOM audit messages by syslog and keeps every one of them (IHE ATNA, ITI-20).

    with AuditRepository("ARR") as repository:
        repository.port, repository.udp_port            # syslog over TCP or TLS (RFC 5425), and over UDP (RFC 5426)
        repository.records()                            # what came, as a DataFrame
    with AuditSender("127.0.0.1", repository.port) as sender:
        sender.send(audit.syslog(audit.message(...), ...))

What is no sound audit message is kept too, with what is wrong with it: a gap in the trail helps nobody.

Sources: PS3.15 A.5 and A.6; IHE ITI TF-2 3.20; RFC 5424, 5425, 5426, 6587.
"""

import contextlib
import queue
import socket
import socketserver
import threading

from coursekit.errors import CourseError
from coursekit.standards import audit
from coursekit.systems.certificates import server_context
from coursekit.systems.database import Database
from coursekit.systems.system import HOST, System

BATCH = 500                             # messages of one transaction, at most
PATIENCE = 300.0                        # seconds that a sender may be silent
MOST_CONNECTIONS = 200

_TABLE = """CREATE TABLE IF NOT EXISTS record (number INTEGER PRIMARY KEY, way TEXT NOT NULL, host TEXT, application TEXT, when_ TEXT, event TEXT,
    event_type TEXT, action TEXT, outcome TEXT, users TEXT, patients TEXT, problems TEXT NOT NULL, raw BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS record_event ON record (event);"""
_COLUMNS = ("number", "way", "host", "application", "when_", "event", "event_type", "action", "outcome", "users", "patients", "problems")


class Unsent(CourseError, ConnectionError):
    """A message that could not be given to a repository; its sender has to keep it."""


class AuditRepository(System):
    """The repository.

    folder       : where it keeps what it must not lose; a temporary one, gone at the end, if not given
    port, udp_port : where it listens; free ports if 0. Read them again after `start`
    certificates : as of ``Archive``: then TCP is TLS with both sides certified
    """

    def __init__(self, name="ARR", folder=None, port=0, udp_port=0, certificates=None):
        super().__init__(name)
        self.folder, self.port, self.udp_port, self.certificates = folder, port, udp_port, certificates
        self._database = self._writer = None
        self._servers, self._threads, self._open, self._ending = [], [], set(), False
        self._came = queue.Queue(10_000)

    def __repr__(self):
        if not self._runs:
            return f"<audit record repository {self.name} is stopped>"
        return f"<audit record repository {self.name} runs: {len(self):,} records>"

    def __len__(self):
        return self._database.row("SELECT count(*) FROM record")[0]

    def _begin(self):
        self._database, self._ending = Database(self.folder, "audit", _TABLE), False
        self._writer = threading.Thread(target=self._write, name=f"{self.name} writer", daemon=True)
        self._writer.start()
        tls = server_context(self.certificates)
        repository = self

        class Stream(socketserver.BaseRequestHandler):
            """One sender."""

            def handle(self):
                """Take what comes until the sender leaves."""
                repository._take_stream(self.request, tls)

        class Datagram(socketserver.BaseRequestHandler):
            """One message."""

            def handle(self):
                """Take it."""
                repository._came.put(("UDP", self.request[0]))

        for kind, handler, asked in ((_Tcp, Stream, self.port), (socketserver.UDPServer, Datagram, self.udp_port)):
            server = kind((HOST, asked), handler)
            self._servers.append(server)
            thread = threading.Thread(target=server.serve_forever, args=(0.02,), name=f"{self.name} listener", daemon=True)
            thread.start()
            self._threads.append(thread)
        self.port, self.udp_port = (server.server_address[1] for server in self._servers)

    def _end(self):
        for server in self._servers:
            server.shutdown()
        self._ending = True
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)        # TLS on it is left to its thread
        for server in self._servers:
            server.server_close()                       # waits for the threads of its senders
        for thread in self._threads:
            thread.join()
        self._servers, self._threads = [], []
        if self._writer:
            self._came.put(None)
            self._writer.join()
            self._writer = None
        if self._database:
            self._database.close()
            self._database = None

    def _take_stream(self, connection, tls):
        way, deframer = "TLS" if tls else "TCP", audit.Deframer()
        connection.settimeout(PATIENCE)
        try:
            if tls:                                     # in another socket, which has the connection from now on
                connection = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            self._open.add(connection)
            if self._ending:                            # `_end` may have looked before
                return
            if tls:
                connection.do_handshake()
            while octets := connection.recv(1 << 16):
                while messages := deframer.feed(octets):
                    octets = b""
                    for message in messages:
                        self._came.put((way, message))
        except audit.Malformed as problem:              # where one message ends and the next begins is lost
            self._came.put((way, f"the stream can't be read on: {problem}".encode()))
        except OSError:
            pass
        finally:
            self._open.discard(connection)
            with contextlib.suppress(OSError):
                connection.close()

    def _write(self):
        """The writer's thread: what has come goes to the disk, several at a time when there is much."""
        while (first := self._came.get()) is not None:
            rows = [first]
            while len(rows) < BATCH and not self._came.empty():
                rows.append(self._came.get())
            last = rows[-1] is None
            rows = [_row(way, octets) for way, octets in rows[:-1 if last else None]]
            with self._database.transaction():
                self._database.run_many(f"INSERT INTO record VALUES (NULL, {', '.join('?' * 12)})", rows)
            for row in rows:
                self.journal.add(row[2] or row[1] or "?", self.name, row[4] or "no audit message", row[10])
            if last:
                return

    # What is asked of it

    def settle(self, count, seconds=10.0):
        """Wait until so many records are kept. Returns whether they are, after `seconds` at the latest."""
        give_up = threading.Event()
        for _ in range(int(seconds / 0.01)):
            if len(self) >= count:
                return True
            give_up.wait(0.01)
        return False

    def records(self):
        """What was kept, a DataFrame with a row for each message in the order of arrival: number, way (TCP, TLS or UDP), host, application, when
        (EventDateTime, as sent), event, event_type, action, outcome, users, patients, problems."""
        import pandas as pd

        rows = self._database.rows(f"SELECT {', '.join(_COLUMNS)} FROM record ORDER BY number")
        return pd.DataFrame(rows, columns=[name.rstrip("_") for name in _COLUMNS]).set_index("number")

    def message(self, number):
        """The bytes of a message as they came. Raises CourseError when there is none of that number."""
        row = self._database.row("SELECT raw FROM record WHERE number = ?", int(number))
        if row is None:
            raise CourseError(f"{self.name} has no record {number}.")
        return row[0]


class _Tcp(socketserver.ThreadingTCPServer):
    daemon_threads, block_on_close, request_queue_size = False, True, MOST_CONNECTIONS
    allow_reuse_address = False                         # on Windows it would share the port


def _row(way, octets):
    """The columns of a record but its number."""
    try:
        syslog = audit.read_syslog(octets)
    except audit.Malformed as problem:
        return (way, *[None] * 9, str(problem), octets)
    try:
        found, wrong = audit.read(syslog.text), audit.problems(syslog.text)
    except audit.Malformed as problem:
        return (way, syslog.host, syslog.application, *[None] * 7, str(problem), octets)
    users = [one["user_id"] for one in found["participants"] if one["user_id"]]
    patients = [one["id"] for one in found["objects"] if one["type"] == "1" and one["role"] == "1" and one["id"]]
    return (way, syslog.host, syslog.application, found["when"], found["event"], (found["event_types"] or [None])[0], found["action"],
            found["outcome"], ", ".join(users), ", ".join(patients), "; ".join(wrong), octets)


class AuditSender:
    """A sender of syslog messages: over TCP, over TLS where `context` (an ssl.SSLContext) is given, or over UDP.

    What can't be sent stays in `kept`, a list, and goes first with the next message (ITI TF-2 3.20.4.1.2).
    """

    def __init__(self, host, port, context=None, udp=False):
        self._where, self._context, self._udp, self._connection = (host, port), context, udp, None
        self.kept, self._lock = [], threading.Lock()            # an actor answers and asks in several threads

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Close the connection."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def send(self, message):
        """Send a syslog message (text or bytes). Raises Unsent when it could not be sent; then it's kept."""
        with self._lock:
            self.kept.append(message if isinstance(message, bytes) else message.encode("utf-8"))
            if self._udp:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
                    while self.kept:
                        way.sendto(self.kept[0], self._where)
                        del self.kept[0]
                return
            try:
                if self._connection is None:
                    connection = socket.create_connection(self._where, timeout=10)
                    self._connection = self._context.wrap_socket(connection, server_hostname=self._where[0]) if self._context else connection
                while self.kept:
                    self._connection.sendall(audit.frame(self.kept[0]))
                    del self.kept[0]
            except OSError as problem:
                self.close()
                raise Unsent(f"The repository does not take it ({type(problem).__name__}); {len(self.kept)} messages are kept.") from None
