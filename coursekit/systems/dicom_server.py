"""What all systems that are called over DICOM's own network protocol share: associations, the guard against malformed input, C-ECHO.

pynetdicom carries the protocol; DCMTK, Orthanc and any other DICOM client can talk to it.
"""

import contextlib
import copy
import functools
import os
import queue
import socket
import socketserver
import struct
import threading
import types

from coursekit.standards.associations import at_once
from coursekit.standards.upper_layer import HEADER, NAMES, NO_DATA_SET, REJECT_REASONS, encode_command
from coursekit.systems.certificates import server_context
from coursekit.systems.system import HOST, System

MOST_ASSOCIATIONS = 100
LONGEST_PDU = 131_072                   # what is announced (PS3.8 D.1): with more, storescu sends no faster
LONGEST_ITEM = 1 << 20                  # of another PDU, an A-ASSOCIATE-RQ say; no honest one comes near
LARGEST_OBJECT = 1 << 30                # bytes of a message that are held in memory until it is whole
LULL = 0.005                            # seconds that a message is waited for
POLL = 0.05                             # seconds between two looks whether the server is to stop
PATIENCE = 30.0                         # seconds without a byte in the middle of something
FINAL = ("COMPLETED", "DISCONTINUED")   # states of a performed procedure step that nothing may change any more (PS3.4 F.7.2.2)


class DicomServer(System):
    """A system that answers associations. Subclasses say what they serve: contexts in `_serve`, handlers in `_handlers`.

    title, callers, port, certificates : as of ``Archive``
    largest : bytes of a message that are held in memory until it is whole; the connection of a longer one is aborted
    """

    largest = LARGEST_OBJECT

    def __init__(self, title, callers=None, port=0, certificates=None):
        super().__init__(title)
        self.title, self.callers, self.port, self.certificates = title, None if callers is None else list(callers), port, certificates
        self._entity = self._server = self._acceptor = None
        self._open = {}                 # association -> its connection

    def _serve(self, *contexts):
        """Begin to answer; `contexts` are (abstract syntax, transfer syntaxes or None for the uncompressed ones, whether in both roles)."""
        from pynetdicom import AE

        self._entity = entity = AE(self.title)
        entity.maximum_associations, entity.maximum_pdu_size = MOST_ASSOCIATIONS, LONGEST_PDU
        entity.require_called_aet = True
        entity.require_calling_aet = self.callers or []
        entity.network_timeout, entity.acse_timeout, entity.dimse_timeout = 60, 10, PATIENCE
        for abstract_syntax, transfer_syntaxes, both in contexts:
            roles = {"scu_role": True, "scp_role": True} if both else {}
            entity.add_supported_context(abstract_syntax, *([transfer_syntaxes] if transfer_syntaxes else []), **roles)
        self._server = entity.make_server((HOST, self.port), evt_handlers=self._handlers(), ssl_context=server_context(self.certificates),
                                          server_class=_listener_class())
        self._server.contexts = _Contexts(self._server.contexts)
        self.port = self._server.server_address[1]
        self._acceptor = threading.Thread(target=self._server.serve_forever, args=(POLL,), name=f"{self.title} acceptor", daemon=True)
        self._acceptor.start()

    def _hang_up(self):
        """End all associations, and stop listening."""
        if self._server:
            self._server.shutdown()
            self._acceptor.join()
            self._server = self._acceptor = None
        for association, connection in list(self._open.items()):
            # An association that waits in the middle of a PDU ends only when its connection does.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            association.dul.to_user_queue.put(None)         # what one that waits for its first PDU waits for
            association.kill()
        for association in list(self._open):
            association.join(PATIENCE)
        self._open.clear()

    def _handlers(self):
        from pynetdicom import evt

        return [
            (evt.EVT_CONN_OPEN, self._opened), (evt.EVT_ABORTED, self._aborted), (evt.EVT_DIMSE_RECV, self._whole),
            (evt.EVT_C_ECHO, self._echo),
        ]

    # Connections and associations

    @property
    def connected(self):
        """The AE titles that have an association with it now: a list."""
        return [one.requestor.ae_title for one in list(self._open) if one.is_established]

    def _opened(self, event):
        line = event.assoc.dul.socket
        line.socket.settimeout(PATIENCE)
        line.recv = types.MethodType(_receive, line)
        at_once(event)
        _write_no_log(event.assoc)
        event.assoc.dimse.get_msg = types.MethodType(_next_message, event.assoc.dimse)
        event.assoc.dimse.sending, event.assoc.dimse.then = threading.Lock(), None
        event.assoc.dimse.send_msg = types.MethodType(_send_message, event.assoc.dimse)
        event.assoc.dul.send_pdu = functools.partial(self._send, event, event.assoc.dul.send_pdu)
        line.held, line.largest, line.spoiled, line.begins_pdu = 0, self.largest, False, True
        for association in list(self._open):
            if association.ident is not None and not association.is_alive():
                self._open.pop(association, None)
        self._open[event.assoc] = line.socket

    def _send(self, event, send, primitive):
        """Send an answer; that of an association is noted before: pynetdicom tells of it when the caller has it already, and may look."""
        from pynetdicom.pdu_primitives import A_ASSOCIATE, A_RELEASE

        if isinstance(primitive, A_ASSOCIATE):
            (self._rejected if primitive.result else self._accepted)(event)
        elif isinstance(primitive, A_RELEASE):
            self._released(event)
        send(primitive)

    def _whole(self, event):
        line = event.assoc.dul.socket
        if line is not None:
            line.held = 0

    def _caller(self, event):
        return event.assoc.requestor.ae_title or "?"

    def _note(self, event, what, detail=""):
        self.journal.add(self._caller(event), self.title, what, detail)

    def _reply(self, event, what, detail="", data=None):
        self.journal.add(self.title, self._caller(event), what, detail, data)

    def _accepted(self, event):
        self._note(event, "A-ASSOCIATE-RQ", f"calls {event.assoc.requestor.primitive.called_ae_title}")
        self._reply(event, "A-ASSOCIATE-AC", f"{(count := len(event.assoc.accepted_contexts))} presentation context{'s' * (count != 1)} accepted")

    def _rejected(self, event):
        self._note(event, "A-ASSOCIATE-RQ", f"calls {event.assoc.requestor.primitive.called_ae_title}")
        said = event.assoc.acceptor.primitive
        reason = REJECT_REASONS.get((said.result_source, said.diagnostic), "?")
        self._reply(event, "A-ASSOCIATE-RJ", f"{said.result}/{said.result_source}/{said.diagnostic}: {reason}")

    def _released(self, event):
        self._note(event, "A-RELEASE-RQ")

    def _aborted(self, event):
        self._note(event, "A-ABORT")

    def _echo(self, event):
        self._note(event, "C-ECHO-RQ")
        self._reply(event, "C-ECHO-RSP", "0000H")
        return 0x0000


class PerformedSteps:
    """The manager's side of Modality Performed Procedure Step, for a ``DicomServer`` that keeps them (PS3.4 F.7).

    It needs `_step(uid)`, which gives (state, Dataset) or None, and `_keep_step(uid, dataset)`, which returns when it's kept.
    """

    no_longer = 0xA710                  # Error ID of "Performed Procedure Step Object may no longer be updated" (PS3.4 Table F.7.2-2)

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self._steps = threading.Lock()  # between the look at a step's state and its change

    def _handlers(self):
        from pynetdicom import evt

        return [*super()._handlers(), (evt.EVT_N_CREATE, self._begin_step), (evt.EVT_N_SET, self._change_step)]

    def _begin_step(self, event):
        from pydicom.dataset import Dataset

        uid = str(event.request.AffectedSOPInstanceUID or "")
        step = event.attribute_list if event.request.AttributeList else Dataset()
        status = str(step.get("PerformedProcedureStepStatus", ""))
        self._note(event, "N-CREATE-RQ", f"performed procedure step {status}")
        with self._steps:
            if not status:
                code, detail = 0x0120, "attribute missing: Performed Procedure Step Status"
            elif status != "IN PROGRESS":
                code, detail = 0x0106, "invalid value: a step begins IN PROGRESS"
            elif not uid:
                code, detail = 0x0120, "the caller gives the step its SOP Instance UID"
            elif self._step(uid):
                code, detail = 0x0111, "there is a step of this UID"
            else:
                code, detail = 0x0000, ""
                self._keep_step(uid, step)
        self._reply(event, "N-CREATE-RSP", f"{code:04X}H" + (f", {detail}" if detail else ""))
        return code, step if code == 0 else None

    def _change_step(self, event):
        from pydicom.dataset import Dataset

        change, uid = event.modification_list, str(event.request.RequestedSOPInstanceUID)
        self._note(event, "N-SET-RQ", f"performed procedure step {change.get('PerformedProcedureStepStatus', '')}".strip())
        with self._steps:
            before = self._step(uid)
            if before is None:
                self._reply(event, "N-SET-RSP", "0112H, no such step")
                return 0x0112, None
            state, step = before
            if state in FINAL:
                self._reply(event, "N-SET-RSP", f"0110H with Error ID {self.no_longer:04X}H: the step is {state} already")
                status = Dataset()
                status.Status, status.ErrorID = 0x0110, self.no_longer
                status.ErrorComment = "Performed Procedure Step Object may no longer be updated"
                return status, None
            step.update(change)
            self._keep_step(uid, step)
        self._reply(event, "N-SET-RSP", "0000H")
        return 0x0000, change


class _Contexts(list):
    """Presentation contexts that are copied quickly: pynetdicom copies all of them, down to each UID, for every association, which takes a
    tenth of a second, and changes nothing but their own attributes."""

    def __deepcopy__(self, memo):
        return [copy.copy(context) for context in self]


@functools.lru_cache(maxsize=1)
def _listener_class():
    """pynetdicom's server, made when pynetdicom is needed, so that it stops soon and has its port for itself on every operating system."""
    from pynetdicom.transport import ThreadedAssociationServer

    class Listener(ThreadedAssociationServer):
        request_queue_size = MOST_ASSOCIATIONS      # with the five of the base class, a sixth that calls at the same moment waits a second
        _looks, _ending = 0, False

        def __init__(self, *given, **named):
            self._greeting = set()                  # connections whose TLS has begun and not come to an end
            super().__init__(*given, **named)

        def server_bind(self):
            if os.name != "nt":
                super().server_bind()
                return
            # On Windows the SO_REUSEADDR of the base class would let another program take the port as well.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            self.socket.settimeout(self.ae.network_timeout)
            self.socket.bind(self.server_address)
            self.server_address = self.socket.getsockname()

        def get_request(self):
            return self.socket.accept()

        def finish_request(self, request, client_address):
            if self.ssl_context:                    # in the caller's own thread: one that never begins TLS keeps nobody else out
                request = self.ssl_context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
                request.settimeout(PATIENCE)
                self._greeting.add(request)
                try:
                    if self._ending:
                        raise ConnectionAbortedError
                    request.do_handshake()
                except OSError:                     # of a caller without TLS, or without a certificate of the authority
                    request.close()
                    return
                finally:
                    self._greeting.discard(request)
            super().finish_request(request, client_address)

        def service_actions(self):
            self._looks += 1
            if self._looks % 10 == 0:               # the base class collects garbage here, and is made for two looks a second
                super().service_actions()

        def shutdown(self):
            socketserver.BaseServer.shutdown(self)
            self._ending = True
            for connection in list(self._greeting):
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
            self.server_close()

    return Listener


def _write_no_log(association):
    """Let pynetdicom not describe what it sends and gets: it does so even where no log is kept. A server has its journal."""
    from pynetdicom import _handlers, evt

    for what, handler in ((evt.EVT_DIMSE_RECV, _handlers.standard_dimse_recv_handler),
                          (evt.EVT_DIMSE_SENT, _handlers.standard_dimse_sent_handler),
                          (evt.EVT_PDU_RECV, _handlers.standard_pdu_recv_handler), (evt.EVT_PDU_SENT, _handlers.standard_pdu_sent_handler)):
        association.unbind(what, handler)


def _next_message(dimse, block=False):
    """The next message for an association, as pynetdicom's own; but who would look again in a moment waits for one that comes meanwhile."""
    try:
        return dimse.msg_queue.get(timeout=dimse.dimse_timeout if block else LULL)
    except queue.Empty:
        return None, None


def _send_message(dimse, primitive, context):
    """Send a message, as pynetdicom's own, but whole: two threads that send on one association would mix their fragments. And what is to
    come after an answer, `then`, is done when that answer is out."""
    with dimse.sending:
        if not _sent_as_a_plain_answer(dimse, primitive, context):
            type(dimse).send_msg(dimse, primitive, context)
    if dimse.then is not None and primitive.MessageIDBeingRespondedTo is not None:
        then, dimse.then = dimse.then, None
        then()


def _sent_as_a_plain_answer(dimse, primitive, context):
    """Send the plain answer to a C-STORE, which is encoded here in a tenth of the time; False for any other message."""
    from pynetdicom.dimse_primitives import C_STORE
    from pynetdicom.pdu_primitives import P_DATA

    if type(primitive) is not C_STORE or primitive.MessageIDBeingRespondedTo is None or primitive.ErrorComment or primitive.OffendingElement:
        return False
    command = encode_command({
        "AffectedSOPClassUID": str(primitive.AffectedSOPClassUID), "CommandField": 0x8001,
        "MessageIDBeingRespondedTo": primitive.MessageIDBeingRespondedTo, "CommandDataSetType": NO_DATA_SET, "Status": primitive.Status,
        "AffectedSOPInstanceUID": str(primitive.AffectedSOPInstanceUID)})
    answer = P_DATA()
    answer.presentation_data_value_list = [[context, b"\x03" + command]]               # a command, its last fragment (PS3.8 E.2)
    dimse.dul.send_pdu(answer)
    return True


def _receive(line, wanted):
    """Read `wanted` bytes for a pynetdicom connection, in large pieces, and no PDU that nobody can mean.

    A PDU whose header announces more than is sane gets a type that no PDU has: pynetdicom then answers A-ABORT and closes.
    After such a header nothing more is read, which would only put off the answer.
    """
    if line.spoiled:
        return bytearray()
    buffer = bytearray(wanted)
    view, got = memoryview(buffer), 0
    while got < wanted:
        count = line.socket.recv_into(view[got:], min(wanted - got, 1 << 18))
        if not count:
            return buffer[:got]
        got += count
    if wanted == HEADER and line.begins_pdu:
        kind, _, length = struct.unpack(">BBL", buffer)
        line.held += length if kind == 4 else 0
        if length > (LONGEST_PDU + 64 if kind == 4 else LONGEST_ITEM) or line.held > line.largest:
            buffer[0] = 0xFF
        line.spoiled = buffer[0] not in NAMES
        line.begins_pdu = line.spoiled or not length
    else:
        line.begins_pdu = True
    return buffer
