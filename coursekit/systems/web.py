"""What all systems that speak HTTP share: a server on the loopback in a thread of its own, and SOAP on it.

Tornado, which comes with JupyterLab, carries the HTTP; curl, a browser and any other client can talk to it.
"""

import asyncio
import contextlib
import http.client
import logging
import ssl
import threading
from typing import NamedTuple
from urllib.parse import urlsplit

from coursekit.errors import CourseError
from coursekit.standards import soap, xua
from coursekit.systems import certificates as nodes
from coursekit.systems.system import HOST, System

LARGEST_BODY = 512 << 20                # bytes of a request, which is held in memory


class NoAnswer(CourseError, ConnectionError):
    """The other side can't be reached over HTTP, or answers with something else than what it was asked for."""


class Caller(NamedTuple):
    """Who calls a server.

    name         : as it stands in journals
    certificates : (certificate file, key file, file of the authority that the server must be certified by), for one that speaks TLS
    assertion    : what an issuer asserts of the user on whose behalf it calls (an element, from `xua.make`), or None
    audit        : a ``transaction_audit.TransactionAudit`` that is told of each transaction that it asks for, or None
    """

    name: str
    certificates: tuple | None = None
    assertion: object = None
    audit: object = None


class WebServer(System):
    """An HTTP server on the loopback. Subclasses give a tornado Application in `_application`.

    port         : where it listens; a free port if 0. Read it after `start`
    certificates : as of ``Archive``: then it speaks TLS only, with both sides certified (IHE ITI TF-2 3.19)
    audit        : a ``transaction_audit.TransactionAudit`` that is told of each transaction and of nodes that are refused, or None
    """

    largest = LARGEST_BODY

    def __init__(self, name, port=0, certificates=None):
        super().__init__(name)
        self.port, self.certificates, self.audit = port, certificates, None
        self._loop = self._thread = None

    def __repr__(self):
        return f"<{self.name} {'runs' if self._runs else 'is stopped'}: {len(self.journal)} events>"

    @property
    def origin(self):
        """The beginning of its addresses: http://127.0.0.1:..., or https."""
        return f"http{'s' if self.certificates else ''}://{HOST}:{self.port}"

    def _application(self):
        raise NotImplementedError

    def _begin(self):
        from tornado.netutil import bind_sockets

        tls = nodes.server_context(self.certificates)
        sockets = bind_sockets(self.port, HOST)
        self.port = sockets[0].getsockname()[1]
        # Tornado needs a loop that waits with a selector, which is not the default of Windows.
        self._loop = asyncio.SelectorEventLoop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(sockets, tls, ready), name=self.name, daemon=True)
        self._thread.start()
        ready.wait()

    def _end(self):
        if self._thread:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._thread = None

    def _serve(self, sockets, tls, ready):
        from tornado.httpserver import HTTPServer

        asyncio.set_event_loop(self._loop)
        system = self

        class Server(HTTPServer):
            """Hears how the handshakes end."""

            def handle_stream(self, stream, address):
                """A connection."""
                if tls:
                    stream.wait_for_handshake().add_done_callback(system._authenticated)
                super().handle_stream(stream, address)

        async def listen():
            server = Server(self._application(), ssl_options=tls, max_body_size=self.largest, max_buffer_size=self.largest)
            server.add_sockets(sockets)
            return server

        # Tornado warns of each handshake that fails: the journal has it, and a notebook need not.
        thread, logger = threading.get_ident(), logging.getLogger("tornado.general")

        def quiet(record):
            return record.thread != thread

        logger.addFilter(quiet)
        server = self._loop.run_until_complete(listen())
        ready.set()
        try:
            self._loop.run_forever()
        finally:
            logger.removeFilter(quiet)
            server.stop()
            with contextlib.suppress(Exception):
                self._loop.run_until_complete(server.close_all_connections())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    def caller(self, request):
        """Who sends a request (tornado's): the name in its certificate, or else the one that it gives itself; "" when it gives none."""
        certificate = request.get_ssl_certificate() if self.certificates else None
        named = dict(part[0] for part in certificate["subject"]) if certificate else {}
        return named.get("commonName") or request.headers.get("X-Sender", "")

    def _authenticated(self, handshake):
        """A handshake has ended. A node that is refused, or refuses this one, is a security event (ITI TF-2 3.20.4.1.1.1)."""
        problem = handshake.exception()
        if isinstance(problem, ssl.SSLError) and not isinstance(problem, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            self.journal.add("client", self.name, "Authenticate Node", reason := f"refused: {nodes.why(problem)}")
            if self.audit:
                self._loop.run_in_executor(None, self.audit.node_refused, self.name, HOST, reason)


class SoapServer(WebServer):
    """A server of SOAP 1.2. `actions` is {wsa:Action: (name of the transaction, function of a soap.Message that returns the answer's)}.

    assertions : an ``xua.Assertions`` that says which users' assertions are accepted, or None: then nobody looks at them

    What a function raises as soap.Fault or soap.BadSoap is answered by a soap:Fault, and so is an action that is not served. The functions
    run in threads, so that an actor that asks another one holds nobody up.
    """

    largest = 128 << 20

    def __init__(self, name, port=0, certificates=None):
        super().__init__(name, port, certificates)
        self.actions, self.assertions = {}, None

    @property
    def url(self):
        """Where its requests go to."""
        return f"{self.origin}/"

    def _application(self):
        from tornado.web import Application, RequestHandler

        system = self

        class Door(RequestHandler):
            """One request."""

            async def post(self, _):
                """A SOAP message."""
                sender = system.caller(self.request)
                octets, kind, status = await asyncio.get_running_loop().run_in_executor(
                    None, system.answer, self.request.body, self.request.headers.get("Content-Type", ""), sender)
                self.set_status(status)
                self.set_header("Content-Type", kind)
                self.finish(octets)

            def log_exception(self, kind, value, trace):
                """Nothing for the notebook to print."""

        return Application([("/(.*)", Door)], log_function=lambda handler: None)

    def answer(self, octets, content_type, sender=""):
        """What a body of HTTP is answered with: (bytes, Content-Type, HTTP status)."""
        message = message_id = name = None
        try:
            message = soap.read(octets, content_type)
            message_id = message.message_id
            if message.action not in self.actions:
                raise soap.Fault(f"The action {message.action} is not served here.")
            name, work = self.actions[message.action]
            self.journal.add(sender or "client", self.name, name, data=message)
            if self.assertions:
                message.user = self.assertions.read(message.headers)
            reply = work(message)
            reply.relates_to = message.message_id
            told = self._told(reply)
            self.journal.add(self.name, sender or "client", f"{name} response", told, data=reply)
            if self.audit:
                self.audit.note(self.name, name, sender, message, reply, told)
            return (*reply.encode(), 200)
        except (soap.Fault, soap.BadSoap) as problem:
            code, reason, subcode = problem.code, str(problem), getattr(problem, "subcode", "")
        except Exception as problem:                    # a bug of ours, or a function of a learner's
            code, reason, subcode = "Receiver", f"{self.name} failed with {type(problem).__name__}: {problem}", ""
        self.journal.add(self.name, sender or "client", "soap:Fault", f"{subcode or code}: {reason}")
        if self.audit and subcode:
            self.audit.user_refused(self.name, sender, reason)
        elif self.audit and name:
            self.audit.note(self.name, name, sender, message, None, "Failure")
        # HTTP binding of SOAP 1.2 (part 2, 7.5.2.2): 400 when the sender is at fault, else 500
        return (*soap.fault(code, reason, message_id, subcode), 400 if code == "Sender" else 500)

    def _told(self, reply):
        return ""


def ask(url, message, sender="", seconds=30.0):
    """Send a soap.Message to a URL. Returns the answer, another one.

    sender : a name, or a Caller with certificates and an assertion

    Raises soap.Fault when the other side answers with a fault, soap.BadSoap when its answer is none, NoAnswer when there is none.
    """
    where, caller = urlsplit(url), sender if isinstance(sender, Caller) else Caller(sender)
    if caller.assertion is not None:
        message.headers = [*message.headers, xua.header(caller.assertion)]
    octets, kind = message.encode(to=url)
    if where.scheme == "https":
        context = nodes.caller_context(caller.certificates)
        connection = http.client.HTTPSConnection(where.hostname, where.port, timeout=seconds, context=context)
    else:
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=seconds)
    try:
        connection.request("POST", where.path or "/", octets, {"Content-Type": kind, "X-Sender": caller.name})
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as problem:
        raise NoAnswer(_why(problem, where, connection, caller)) from None
    finally:
        connection.close()
    kind = response.headers.get("Content-Type", "")
    if response.status != 200 and soap.SOAP_TYPE not in kind and "multipart" not in kind:
        raise NoAnswer(f"The answer is HTTP {response.status} {response.reason}, and no SOAP.")
    answer = soap.read(body, kind)
    if message.message_id and answer.relates_to not in (None, message.message_id):
        raise soap.BadSoap("The answer relates to another message (wsa:RelatesTo).")
    return answer


def _why(problem, where, connection, caller):
    """In a sentence, why there is no answer."""
    node, problem = caller.name or "this node", nodes.told(connection.sock, problem)
    if isinstance(problem, ssl.SSLError) and not isinstance(problem, ssl.SSLEOFError):
        return f"{where.hostname} and {node} do not trust each other: {nodes.why(problem)}."
    if where.scheme == "https" and isinstance(problem, (ConnectionResetError, ConnectionAbortedError, BrokenPipeError, ssl.SSLEOFError)):
        return f"{where.hostname} has hung up on {node}, as a server does that does not trust its certificate, or got none."
    if where.scheme == "https" and isinstance(problem, TimeoutError):
        return f"{where.hostname} does not answer over TLS in time; it is slow, or speaks HTTP without TLS."
    return f"{where.hostname} does not answer over HTTP ({type(problem).__name__})."
