"""A call to a DICOM service, rung by rung: TCP, the association, the presentation context, C-ECHO."""

import contextlib
import socket
import time
from dataclasses import dataclass

from coursekit.standards import upper_layer as ul
from coursekit.systems.services import IMPLEMENTATION, SYNTAXES, UNREACHED, VERIFICATION

# Windows tries a refused connection again and says so after two seconds only: less patience would read it as silence.
CONNECT_SECONDS = 4.0
UNREACHED_SECONDS = 0.1          # that a call to services.UNREACHED waits, in place of twenty
WAITS = 20                       # into which the wait for an answer is divided: where the machine is so busy that nobody gets on, each takes longer


@dataclass
class Answer:
    """What a call met. Shown as a list of the rungs that it reached.

    tcp     : "connected", "refused" or "timed out"; "name not found" for a host's name that nobody knows
    reply   : what came back to the request for an association: "A-ASSOCIATE-AC" (accepted), "A-ASSOCIATE-RJ" (rejected), "A-ABORT",
              "no DICOM" (bytes that are none), "hung up" (the connection was closed), "nothing" (no byte in the time given); None
              when there was no connection
    result, source, reason : the numbers of an A-ASSOCIATE-RJ; else None
    context : the result for the Verification context in an A-ASSOCIATE-AC, 0 is accepted; else None
    status  : the status of the C-ECHO response, 0 is success; None when no such response came
    """

    called: str
    calling: str
    tcp: str = "timed out"
    reply: str | None = None
    result: int | None = None
    source: int | None = None
    reason: int | None = None
    context: int | None = None
    status: int | None = None

    def __repr__(self):
        rows = [("TCP connection", self.tcp)]
        if self.reply is not None:
            rows.append(("association", f"{self.calling} calls {self.called}: {self.reply}{self._numbers()}"))
        if self.context is not None:
            rows.append(("Verification", f"result {self.context}, {ul.CONTEXT_RESULTS.get(self.context, 'unknown')}"))
        if self.context == 0:
            rows.append(("C-ECHO", "no response" if self.status is None else f"status {self.status:04X}H"))
        return "\n".join(f"{name:<16}{text}" for name, text in rows)

    def _numbers(self):
        if self.result is None:
            return ""
        return f", result {self.result}, source {self.source}, reason {self.reason}"


def call(host, port, called, calling="WS_ED1", seconds=0.8, also=(), before=()):
    """Call a DICOM service and ask it for a C-ECHO. Never raises for what the other side does.

    called, calling : the AE title of the service, and the caller's own
    seconds         : how long to wait for each answer
    also            : UIDs of abstract syntaxes that are proposed beside Verification, as a program does that wants more than an echo
    before          : others, which are proposed before Verification

    Gives an Answer. Raises ValueError for a port that cannot be.
    """
    if not 0 < int(port) < 65536:
        raise ValueError(f"a port is a number from 1 to 65535, not {port}")
    answer = Answer(called, calling)
    if host == UNREACHED:
        time.sleep(min(seconds, UNREACHED_SECONDS))
        return answer
    try:
        connection = socket.create_connection((host, port), timeout=CONNECT_SECONDS)
    except ConnectionRefusedError:
        answer.tcp = "refused"
        return answer
    except socket.gaierror:
        answer.tcp = "name not found"
        return answer
    except OSError:
        return answer
    with connection:
        answer.tcp = "connected"
        connection.settimeout(seconds / WAITS)
        try:
            _associate(_Line(connection), answer, before, also)
        except OSError:
            answer.reply = answer.reply or "hung up"
    return answer


class _Line:
    """A connection from which whole PDUs are read."""

    def __init__(self, connection):
        self._connection, self._received = connection, b""

    def send(self, pdu):
        self._connection.sendall(pdu.encode())

    def next(self):
        """The next PDU; or "nothing", "hung up" or "no DICOM"."""
        while True:
            try:
                pdus, _ = ul.split(self._received)
                if pdus:
                    self._received = self._received[len(pdus[0]):]
                    return ul.decode(pdus[0])
            except ul.BadPdu:
                return "no DICOM"
            for _ in range(WAITS):
                with contextlib.suppress(TimeoutError):
                    octets = self._connection.recv(65536)
                    break
            else:
                return "no DICOM" if self._received else "nothing"
            if not octets:
                return "no DICOM" if self._received else "hung up"
            self._received += octets


def _associate(line, answer, before, also):
    contexts = tuple(ul.Context(2 * place + 1, abstract, SYNTAXES) for place, abstract in enumerate((*before, VERIFICATION, *also)))
    verification = contexts[len(before)].id
    line.send(ul.AssociateRequest(answer.called, answer.calling, contexts, IMPLEMENTATION))
    pdu = line.next()
    answer.reply = pdu if isinstance(pdu, str) else ul.NAMES[pdu.type]
    if isinstance(pdu, ul.AssociateReject):
        answer.result, answer.source, answer.reason = pdu.result, pdu.source, pdu.reason
    if not isinstance(pdu, ul.AssociateAccept):
        return
    answer.context = next((one.result for one in pdu.contexts if one.id == verification), None)
    if answer.context == 0 and isinstance(_echo(line, answer, verification), ul.Abort):
        return                                                  # the association is gone: nothing is left to release
    line.send(ul.ReleaseRequest())
    line.next()


def _echo(line, answer, context):
    command = {"AffectedSOPClassUID": VERIFICATION, "CommandField": 0x0030, "MessageID": 1, "CommandDataSetType": ul.NO_DATA_SET}
    for pdu in ul.fragment(ul.Message(context, command), 16384):
        line.send(pdu)
    pdu = line.next()
    if isinstance(pdu, ul.Data) and pdu.values[0].command:
        answer.status = ul.decode_command(pdu.values[0].data).get("Status")
    return pdu
