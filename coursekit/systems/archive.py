"""An archive that runs: storage, query and retrieve, storage commitment and performed procedure steps, over DICOM's own network protocol.

    with Archive("HV_PACS", peers={"WS_ED1": ("127.0.0.1", 11113)}) as archive:
        archive.port

What it can do stands in `SERVICES`. pynetdicom carries the protocol; DCMTK, Orthanc and any other DICOM client can talk to it.
"""

import contextlib
import queue
import socket
import ssl
import struct
import tempfile
import threading
import types

from coursekit.standards import matching
from coursekit.standards.upper_layer import HEADER, NAMES, REJECT_REASONS
from coursekit.systems.store import COUNTED, LEVELS, Misnamed, NotStorable, Store
from coursekit.systems.system import HOST, System

SERVICES = ("Verification", "Storage of every standard SOP class", "Study Root Query/Retrieve: FIND, MOVE, GET",
            "Storage Commitment Push Model", "Modality Performed Procedure Step")
MOST_ASSOCIATIONS = 100
LONGEST_PDU = 131_072                   # what is announced (PS3.8 D.1): with more, storescu sends no faster
LONGEST_ITEM = 1 << 20                  # of another PDU, an A-ASSOCIATE-RQ say; no honest one comes near
LARGEST_OBJECT = 1 << 30                # bytes of a message that are held in memory until it is whole
PATIENCE = 30.0                         # seconds without a byte in the middle of something
FINAL = ("COMPLETED", "DISCONTINUED")   # states of a performed procedure step that nothing may change any more (PS3.4 F.7.2.2)


class Archive(System):
    """An archive.

    title        : its AE title
    peers        : {AE title: (host, port)}: where C-MOVE may send to, and where a storage commitment is reported
    callers      : the AE titles that may call; None: anybody
    folder       : where it keeps its objects; a temporary one, gone at the end, if not given
    port         : where it listens; a free port if 0. Read it again after `start`
    certificates : (certificate file, key file, file of the authority that its callers must be certified by): then it speaks TLS only,
                   1.2 or newer, with both sides certified (PS3.15 B.12, BCP 195 profile)
    """

    def __init__(self, title="HV_PACS", peers=None, callers=None, folder=None, port=0, certificates=None):
        super().__init__(title)
        self.title, self.peers, self.callers = title, dict(peers or {}), None if callers is None else list(callers)
        self.folder, self.port, self.certificates = folder, port, certificates
        self.store = None
        self._entity = self._server = self._clerk = self._temporary = None
        self._reports = queue.Queue()
        self._open = {}                 # association -> its connection

    def __repr__(self):
        state = "runs" if self._runs else "is stopped"
        kept = len(self.store.kept()) if self._runs else 0
        return f"<archive {self.title} {state}: {kept} objects, {len(self.journal)} events>"

    # Beginning and end

    def _begin(self):
        from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts
        from pynetdicom import sop_class as sop

        if self.folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="coursekit-archive-", ignore_cleanup_errors=True)
        self.store = Store(self._temporary.name if self._temporary else self.folder)
        self._entity = entity = AE(self.title)
        entity.maximum_associations, entity.maximum_pdu_size = MOST_ASSOCIATIONS, LONGEST_PDU
        entity.require_called_aet = True
        entity.require_calling_aet = self.callers or []
        entity.network_timeout, entity.acse_timeout, entity.dimse_timeout = 60, 10, PATIENCE
        for context in AllStoragePresentationContexts:
            # Both roles: of a C-GET the caller is the one that stores (PS3.4 C.5.3).
            entity.add_supported_context(context.abstract_syntax, ALL_TRANSFER_SYNTAXES, scu_role=True, scp_role=True)
        for one in (sop.Verification, sop.StudyRootQueryRetrieveInformationModelFind, sop.StudyRootQueryRetrieveInformationModelMove,
                    sop.StudyRootQueryRetrieveInformationModelGet, sop.StorageCommitmentPushModel, sop.ModalityPerformedProcedureStep):
            entity.add_supported_context(one)
        self._server = entity.start_server((HOST, self.port), block=False, evt_handlers=self._handlers(), ssl_context=self._tls())
        self.port = self._server.server_address[1]
        self._clerk = threading.Thread(target=self._report, name=f"{self.title} commitment", daemon=True)
        self._clerk.start()

    def _end(self):
        if self._clerk:
            self._reports.put(None)
            self._clerk.join()
            self._clerk = None
        if self._server:
            self._server.shutdown()
            self._server = None
        for association, connection in list(self._open.items()):
            # An association that waits in the middle of a PDU ends only when its connection does.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            association.dul.to_user_queue.put(None)         # what one that waits for its first PDU waits for
            association.kill()
        for association in list(self._open):
            association.join(PATIENCE)
        self._open.clear()
        if self.store:
            self.store.close()
        if self._temporary:
            self._temporary.cleanup()
            self._temporary = None

    def _tls(self):
        if not self.certificates:
            return None
        certificate, key, authority = self.certificates
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(authority)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _handlers(self):
        from pynetdicom import evt

        return [
            (evt.EVT_CONN_OPEN, self._opened), (evt.EVT_ACCEPTED, self._accepted), (evt.EVT_REJECTED, self._rejected), (evt.EVT_RELEASED, self._released),
            (evt.EVT_ABORTED, self._aborted), (evt.EVT_DIMSE_RECV, self._whole),
            (evt.EVT_C_ECHO, self._echo), (evt.EVT_C_STORE, self._store), (evt.EVT_C_FIND, self._find), (evt.EVT_C_MOVE, self._move),
            (evt.EVT_C_GET, self._get), (evt.EVT_N_ACTION, self._commit), (evt.EVT_N_CREATE, self._begin_step),
            (evt.EVT_N_SET, self._change_step),
        ]

    # Connections and associations

    def _opened(self, event):
        line = event.assoc.dul.socket
        line.socket.settimeout(PATIENCE)
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.recv = types.MethodType(_receive, line)
        event.assoc.dul._run_loop_delay = 0.0002            # seconds between two looks whether something came; 0.001 costs a third of the speed
        line.held, line.spoiled, line.begins_pdu = 0, False, True
        for association in list(self._open):
            if association.ident is not None and not association.is_alive():
                self._open.pop(association, None)
        self._open[event.assoc] = line.socket

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
        self._reply(event, "A-ASSOCIATE-AC", f"{len(event.assoc.accepted_contexts)} presentation contexts accepted")

    def _rejected(self, event):
        self._note(event, "A-ASSOCIATE-RQ", f"calls {event.assoc.requestor.primitive.called_ae_title}")
        said = event.assoc.acceptor.primitive
        reason = REJECT_REASONS.get((said.result_source, said.diagnostic), "?")
        self._reply(event, "A-ASSOCIATE-RJ", f"{said.result}/{said.result_source}/{said.diagnostic}: {reason}")

    def _released(self, event):
        self._note(event, "A-RELEASE-RQ")

    def _aborted(self, event):
        self._note(event, "A-ABORT")

    # Verification and storage

    def _echo(self, event):
        self._note(event, "C-ECHO-RQ")
        self._reply(event, "C-ECHO-RSP", "0000H")
        return 0x0000

    def _store(self, event):
        uid = str(event.request.AffectedSOPInstanceUID)
        self._note(event, "C-STORE-RQ", str(event.request.AffectedSOPClassUID.name))
        status, detail = self._kept(event, uid)
        self._reply(event, "C-STORE-RSP", f"{status:04X}H" + (f", {detail}" if detail else ""))
        return status

    def _kept(self, event, uid):
        """Keep what a C-STORE brought: (status, what to say of it). The statuses are those of PS3.4 B.2.3."""
        try:
            done = self.store.put(event.encoded_dataset(), uid)
        except Misnamed as problem:
            return 0xA900, str(problem)
        except NotStorable as problem:
            return 0xC000, str(problem)
        except OSError as problem:
            return 0xA700, f"out of resources: {problem.strerror or type(problem).__name__}"
        return 0x0000, {"new": "", "same": "it was there already", "replaced": "it took the place of another with its UID"}[done]

    # Query and retrieve

    def _find(self, event):
        level = str(event.identifier.get("QueryRetrieveLevel", ""))
        self._note(event, "C-FIND-RQ", level)
        keys = event.identifier
        if level not in LEVELS:
            self._reply(event, "C-FIND-RSP", "A900H, no such Query/Retrieve Level")
            yield 0xA900, None
            return
        odd = matching.unknown(keys, {*LEVELS[level], *COUNTED[level], "RetrieveAETitle", "InstanceAvailability"})
        count = 0
        for item in self.store.find(level, keys):
            if event.is_cancelled:
                self._reply(event, "C-FIND-RSP", f"FE00H, cancelled after {count}")
                yield 0xFE00, None
                return
            item.RetrieveAETitle, item.InstanceAvailability = self.title, "ONLINE"
            found = matching.answer(item, keys)
            found.QueryRetrieveLevel = level
            if "SpecificCharacterSet" in item:
                found.SpecificCharacterSet = item.SpecificCharacterSet
            count += 1
            yield 0xFF01 if odd else 0xFF00, found
        self._reply(event, "C-FIND-RSP", f"0000H after {count} answers" + (" of FF01H" if odd and count else ""))

    def _chosen(self, identifier):
        """The objects that a C-MOVE or C-GET asks for: a list of Kept (PS3.4 C.4.2.1.4.1: unique keys only)."""
        def uids(name):
            value = identifier.get(name)
            if value is None or value == "":
                return ()
            return [str(value)] if isinstance(value, str) else [str(one) for one in value]

        wanted = {"study": uids("StudyInstanceUID"), "series": uids("SeriesInstanceUID"), "sop": uids("SOPInstanceUID")}
        return self.store.kept(**wanted) if any(wanted.values()) else []

    def _move(self, event):
        from pydicom import dcmread
        from pynetdicom import build_context

        destination = event.move_destination.strip()
        chosen = self._chosen(event.identifier)
        self._note(event, "C-MOVE-RQ", f"{event.identifier.get('QueryRetrieveLevel', '')} to {destination}")
        if destination not in self.peers:
            self._reply(event, "C-MOVE-RSP", "A801H, move destination unknown")
            yield None, None
            return
        pairs = sorted({(one.sop_class, one.transfer_syntax) for one in chosen})
        contexts = [build_context(sop_class, syntax) for sop_class, syntax in pairs][:128]
        yield (*self.peers[destination], {"contexts": contexts, "ae_title": destination}) if contexts else self.peers[destination]
        yield len(chosen)
        for one in chosen:
            if event.is_cancelled:
                self._reply(event, "C-MOVE-RSP", "FE00H, cancelled")
                yield 0xFE00, None
                return
            yield 0xFF00, dcmread(one.path)
        self._reply(event, "C-MOVE-RSP", f"{len(chosen)} objects for {destination}")

    def _get(self, event):
        from pydicom import dcmread

        chosen = self._chosen(event.identifier)
        self._note(event, "C-GET-RQ", str(event.identifier.get("QueryRetrieveLevel", "")))
        yield len(chosen)
        for one in chosen:
            if event.is_cancelled:
                self._reply(event, "C-GET-RSP", "FE00H, cancelled")
                yield 0xFE00, None
                return
            yield 0xFF00, dcmread(one.path)
        self._reply(event, "C-GET-RSP", f"{len(chosen)} objects")

    # Storage commitment: the answer comes later, on an association of its own with the roles reversed (PS3.4 J.3.3)

    def _commit(self, event):
        self._note(event, "N-ACTION-RQ", "storage commitment")
        if event.action_type != 1:
            self._reply(event, "N-ACTION-RSP", "0123H, no such action")
            return 0x0123, None
        caller, asked = self._caller(event), event.action_information
        self._reply(event, "N-ACTION-RSP", "0000H")
        self._reports.put((caller, asked, event.assoc))
        return 0x0000, None

    def _report(self):
        """The clerk's thread: reports the outcome of each request for commitment."""
        while (task := self._reports.get()) is not None:
            caller, asked, association = task
            event_type, result = self._outcome(asked)
            detail = f"event {event_type}: {len(result.get('ReferencedSOPSequence', []))} committed, {len(result.get('FailedSOPSequence', []))} failed"
            if self._reported(caller, event_type, result, association):
                self.journal.add(self.title, caller, "N-EVENT-REPORT-RQ", detail, result)
            else:
                self.journal.add(self.title, caller, "N-EVENT-REPORT-RQ", f"{detail}; not delivered")

    def _outcome(self, asked):
        """What is committed and what is not: (event type, Dataset) of PS3.4 J.3.3.1."""
        from pydicom.dataset import Dataset

        committed, failed = [], []
        for item in asked.get("ReferencedSOPSequence") or []:
            answer = Dataset()
            answer.ReferencedSOPClassUID, answer.ReferencedSOPInstanceUID = item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID
            kept = self.store.kept(sop=[str(item.ReferencedSOPInstanceUID)], rejected=True)
            if kept and kept[0].path.is_file() and kept[0].sop_class == item.ReferencedSOPClassUID:
                committed.append(answer)
            else:
                answer.FailureReason = 0x0119 if kept and kept[0].sop_class != item.ReferencedSOPClassUID else 0x0112
                failed.append(answer)
        result = Dataset()
        result.TransactionUID = asked.TransactionUID
        if committed:
            result.ReferencedSOPSequence = committed
        if failed:
            result.FailedSOPSequence = failed
        return 2 if failed else 1, result

    def _reported(self, caller, event_type, result, association):
        """Send the report: on a new association to a known peer, else on the one that asked. Whether it was taken."""
        from pynetdicom import build_context, build_role
        from pynetdicom.sop_class import StorageCommitmentPushModel, StorageCommitmentPushModelInstance

        own = None
        if caller in self.peers:
            own = self._entity.associate(*self.peers[caller], ae_title=caller, contexts=[build_context(StorageCommitmentPushModel)],
                                         ext_neg=[build_role(StorageCommitmentPushModel, scp_role=True)])
            association = own
        try:
            if not association.is_established:
                return False
            status, _ = association.send_n_event_report(result, event_type, StorageCommitmentPushModel, StorageCommitmentPushModelInstance)
            return "Status" in status and status.Status == 0
        except (ValueError, RuntimeError):                  # the association ended, or took no such context
            return False
        finally:
            if own is not None and own.is_established:
                own.release()

    # Modality Performed Procedure Step

    def _begin_step(self, event):
        from pydicom.dataset import Dataset

        uid = str(event.request.AffectedSOPInstanceUID or "")
        step = event.attribute_list if event.request.AttributeList else Dataset()
        status = str(step.get("PerformedProcedureStepStatus", ""))
        self._note(event, "N-CREATE-RQ", f"performed procedure step {status}")
        if not status:
            code, detail = 0x0120, "attribute missing: Performed Procedure Step Status"
        elif status != "IN PROGRESS":
            code, detail = 0x0106, "invalid value: a step begins IN PROGRESS"
        elif not uid:
            code, detail = 0x0120, "the caller gives the step its SOP Instance UID"
        elif self.store.step(uid):
            code, detail = 0x0111, "there is a step of this UID"
        else:
            code, detail = 0x0000, ""
            self.store.put_step(uid, step)
        self._reply(event, "N-CREATE-RSP", f"{code:04X}H" + (f", {detail}" if detail else ""))
        return code, step if code == 0 else None

    def _change_step(self, event):
        from pydicom.dataset import Dataset

        change, before = event.modification_list, self.store.step(str(event.request.RequestedSOPInstanceUID))
        self._note(event, "N-SET-RQ", f"performed procedure step {change.get('PerformedProcedureStepStatus', '')}".strip())
        if before is None:
            self._reply(event, "N-SET-RSP", "0112H, no such step")
            return 0x0112, None
        state, step = before
        if state in FINAL:
            self._reply(event, "N-SET-RSP", f"0110H with Error ID A506H: the step is {state} already")
            status = Dataset()
            status.Status, status.ErrorID = 0x0110, 0xA506          # PS3.4 F.7.2.2.2
            status.ErrorComment = "Performed Procedure Step Object may no longer be updated"
            return status, None
        step.update(change)
        self.store.put_step(str(event.request.RequestedSOPInstanceUID), step)
        self._reply(event, "N-SET-RSP", "0000H")
        return 0x0000, change


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
        if length > (LONGEST_PDU + 64 if kind == 4 else LONGEST_ITEM) or line.held > LARGEST_OBJECT:
            buffer[0] = 0xFF
        line.spoiled = buffer[0] not in NAMES
        line.begins_pdu = line.spoiled or not length
    else:
        line.begins_pdu = True
    return buffer
