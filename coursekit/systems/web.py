"""What all systems that speak HTTP share: a server on the loopback in a thread of its own, and SOAP on it.

Tornado, which comes with JupyterLab, carries the HTTP; curl, a browser and any other client can talk to it.
"""

import asyncio
import contextlib
import http.client
import threading
from urllib.parse import urlsplit

from coursekit.errors import CourseError
from coursekit.standards import soap
from coursekit.systems.system import HOST, System

LARGEST_BODY = 512 << 20                # bytes of a request, which is held in memory


class NoAnswer(CourseError, ConnectionError):
    """The other side can't be reached over HTTP, or answers with something else than what it was asked for."""


class WebServer(System):
    """An HTTP server on the loopback. Subclasses give a tornado Application in `_application`.

    port : where it listens; a free port if 0. Read it after `start`
    """

    largest = LARGEST_BODY

    def __init__(self, name, port=0):
        super().__init__(name)
        self.port = port
        self._loop = self._thread = None

    def __repr__(self):
        return f"<{self.name} {'runs' if self._runs else 'is stopped'}: {len(self.journal)} events>"

    def _application(self):
        raise NotImplementedError

    def _begin(self):
        from tornado.netutil import bind_sockets

        sockets = bind_sockets(self.port, HOST)
        self.port = sockets[0].getsockname()[1]
        # Tornado needs a loop that waits with a selector, which is not the default of Windows.
        self._loop = asyncio.SelectorEventLoop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(sockets, ready), name=self.name, daemon=True)
        self._thread.start()
        ready.wait()

    def _end(self):
        if self._thread:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._thread = None

    def _serve(self, sockets, ready):
        from tornado.httpserver import HTTPServer

        asyncio.set_event_loop(self._loop)

        async def listen():
            server = HTTPServer(self._application(), max_body_size=self.largest, max_buffer_size=self.largest)
            server.add_sockets(sockets)
            return server

        server = self._loop.run_until_complete(listen())
        ready.set()
        try:
            self._loop.run_forever()
        finally:
            server.stop()
            with contextlib.suppress(Exception):
                self._loop.run_until_complete(server.close_all_connections())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()


class SoapServer(WebServer):
    """A server of SOAP 1.2. `actions` is {wsa:Action: (name of the transaction, function of a soap.Message that returns the answer's)}.

    audit : a ``transaction_audit.TransactionAudit`` that is told of each transaction, or None

    What a function raises as soap.Fault or soap.BadSoap is answered by a soap:Fault, and so is an action that is not served. The functions
    run in threads, so that an actor that asks another one holds nobody up.
    """

    largest = 128 << 20

    def __init__(self, name, port=0):
        super().__init__(name, port)
        self.actions, self.audit = {}, None

    @property
    def url(self):
        """Where its requests go to."""
        return f"http://{HOST}:{self.port}/"

    def _application(self):
        from tornado.web import Application, RequestHandler

        system = self

        class Door(RequestHandler):
            """One request."""

            async def post(self, _):
                """A SOAP message."""
                octets, kind, status = await asyncio.get_running_loop().run_in_executor(
                    None, system.answer, self.request.body, self.request.headers.get("Content-Type", ""), self.request.headers.get("X-Sender", ""))
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
            reply = work(message)
            reply.relates_to = message.message_id
            told = self._told(reply)
            self.journal.add(self.name, sender or "client", f"{name} response", told, data=reply)
            if self.audit:
                self.audit.note(self.name, name, sender, message, reply, "8" if told.startswith("Failure") else "0")
            return (*reply.encode(), 200)
        except (soap.Fault, soap.BadSoap) as problem:
            code, reason = problem.code, str(problem)
        except Exception as problem:                    # a bug of ours, or a function of a learner's
            code, reason = "Receiver", f"{self.name} failed with {type(problem).__name__}: {problem}"
        self.journal.add(self.name, sender or "client", "soap:Fault", f"{code}: {reason}")
        if self.audit and name:
            self.audit.note(self.name, name, sender, message, None, "8")
        # HTTP binding of SOAP 1.2 (part 2, 7.5.2.2): 400 when the sender is at fault, else 500
        return (*soap.fault(code, reason, message_id), 400 if code == "Sender" else 500)

    def _told(self, reply):
        return ""


def ask(url, message, sender="", seconds=30.0):
    """Send a soap.Message to a URL. Returns the answer, another one.

    Raises soap.Fault when the other side answers with a fault, soap.BadSoap when its answer is none, NoAnswer when there is none.
    """
    where = urlsplit(url)
    octets, kind = message.encode(to=url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=seconds)
    try:
        connection.request("POST", where.path or "/", octets, {"Content-Type": kind, "X-Sender": sender})
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as problem:
        raise NoAnswer(f"{where.hostname} does not answer over HTTP ({type(problem).__name__}).") from None
    finally:
        connection.close()
    kind = response.headers.get("Content-Type", "")
    if response.status != 200 and soap.SOAP_TYPE not in kind and "multipart" not in kind:
        raise NoAnswer(f"The answer is HTTP {response.status} {response.reason}, and no SOAP.")
    answer = soap.read(body, kind)
    if message.message_id and answer.relates_to not in (None, message.message_id):
        raise soap.BadSoap("The answer relates to another message (wsa:RelatesTo).")
    return answer
