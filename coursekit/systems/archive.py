"""An archive that runs: storage, query and retrieve, storage commitment and performed procedure steps, over DICOM's own network protocol.

    with Archive("HV_PACS", peers={"WS_ED1": ("127.0.0.1", 11113)}) as archive:
        archive.port

What it can do stands in `SERVICES`. pynetdicom carries the protocol; DCMTK, Orthanc and any other DICOM client can talk to it.
"""

import queue
import struct
import tempfile
import threading

from coursekit.standards import matching
from coursekit.standards.associations import at_once
from coursekit.systems.dicom_server import DicomServer, PerformedSteps
from coursekit.systems.store import COUNTED, LEVELS, Misnamed, NotStorable, Store

IMPLEMENTATION_CLASS = "2.999.11.2"     # (0002,0012): who wrote the file
SERVICES = ("Verification", "Storage of every standard SOP class", "Study Root Query/Retrieve: FIND, MOVE, GET",
            "Storage Commitment Push Model", "Modality Performed Procedure Step")


class Archive(PerformedSteps, DicomServer):
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
        super().__init__(title, callers, port, certificates)
        self.peers, self.folder, self.store = dict(peers or {}), folder, None
        self._clerk = self._temporary = None
        self._reports = queue.Queue()

    def __repr__(self):
        state = "runs" if self._runs else "is stopped"
        kept = len(self.store.kept()) if self._runs else 0
        callers = "".join(f", {caller} is connected" for caller in self.connected)
        return f"<archive {self.title} {state}: {kept} objects, {len(self.journal)} events{callers}>"

    # Beginning and end

    def _begin(self):
        from pynetdicom import ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts
        from pynetdicom import sop_class as sop

        if self.folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="coursekit-archive-", ignore_cleanup_errors=True)
        self.store = Store(self._temporary.name if self._temporary else self.folder)
        # Storage in both roles: of a C-GET the caller is the one that stores (PS3.4 C.5.3).
        self._serve(*((context.abstract_syntax, ALL_TRANSFER_SYNTAXES, True) for context in AllStoragePresentationContexts),
                    *((one, None, False) for one in (
                        sop.Verification, sop.StudyRootQueryRetrieveInformationModelFind, sop.StudyRootQueryRetrieveInformationModelMove,
                        sop.StudyRootQueryRetrieveInformationModelGet, sop.StorageCommitmentPushModel, sop.ModalityPerformedProcedureStep)))
        self._clerk = threading.Thread(target=self._report, name=f"{self.title} commitment", daemon=True)
        self._clerk.start()

    def _end(self):
        if self._clerk:
            self._reports.put(None)
            self._clerk.join()
            self._clerk = None
        self._hang_up()
        if self.store:
            self.store.close()
        if self._temporary:
            self._temporary.cleanup()
            self._temporary = None

    def _handlers(self):
        from pynetdicom import evt

        return [*super()._handlers(), (evt.EVT_C_STORE, self._store), (evt.EVT_C_FIND, self._find), (evt.EVT_C_MOVE, self._move),
                (evt.EVT_C_GET, self._get), (evt.EVT_N_ACTION, self._commit)]

    # Storage

    def _store(self, event):
        uid = str(event.request.AffectedSOPInstanceUID)
        self._note(event, "C-STORE-RQ", str(event.request.AffectedSOPClassUID.name))
        status, detail = self._kept(event, uid)
        self._reply(event, "C-STORE-RSP", f"{status:04X}H" + (f", {detail}" if detail else ""))
        return status

    def _kept(self, event, uid):
        """Keep what a C-STORE brought: (status, what to say of it). The statuses are those of PS3.4 B.2.3."""
        try:
            done = self.store.put(self._content(event, uid), uid)
        except Misnamed as problem:
            return 0xA900, str(problem)
        except NotStorable as problem:
            return 0xC000, str(problem)
        except OSError as problem:
            return 0xA700, f"out of resources: {problem.strerror or type(problem).__name__}"
        return 0x0000, {"new": "", "same": "it was there already", "replaced": "it took the place of another with its UID"}[done]

    def _content(self, event, uid):
        """What a C-STORE brought, as the bytes of the file that is kept."""
        return _file(event, uid)

    # Query and retrieve

    def _matching(self, level, keys):
        """What fits the keys of a query: a list of Dataset."""
        return self.store.find(level, keys)

    def _find(self, event):
        from pydicom.dataset import Dataset

        level = str(event.identifier.get("QueryRetrieveLevel", ""))
        self._note(event, "C-FIND-RQ", level)
        if level not in LEVELS:
            self._reply(event, "C-FIND-RSP", "A900H, no such Query/Retrieve Level")
            yield 0xA900, None
            return
        names = (*LEVELS[level], *COUNTED[level], "RetrieveAETitle", "InstanceAvailability")
        keys, all_known = matching.supported(event.identifier, dict.fromkeys(names))
        wanted, count = keys, 0
        if "RetrieveAETitle" in keys or "InstanceAvailability" in keys:          # told of each, and never matched
            wanted = Dataset({element.tag: element for element in keys if element.keyword not in names[-2:]})
        for item in self._matching(level, wanted):
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
            yield 0xFF00 if all_known else 0xFF01, found
        self._reply(event, "C-FIND-RSP", f"0000H after {count} answer{'s' * (count != 1)}" + ("" if all_known or not count else " of FF01H"))

    def _chosen(self, identifier, rejected=False):
        """The objects that a C-MOVE or C-GET asks for by their unique keys (PS3.4 C.4.2.1.4.1): a list of Kept. `rejected` as of
        `Store.kept`."""
        def uids(name):
            value = identifier.get(name)
            if value is None or value == "":
                return ()
            return [str(value)] if isinstance(value, str) else [str(one) for one in value]

        wanted = {"study": uids("StudyInstanceUID"), "series": uids("SeriesInstanceUID"), "sop": uids("SOPInstanceUID")}
        return self.store.kept(**wanted, rejected=rejected) if any(wanted.values()) else []

    def _move(self, event):
        from pydicom import dcmread
        from pynetdicom import build_context, evt

        destination = event.move_destination.strip()
        chosen = self._chosen(event.identifier)
        self._note(event, "C-MOVE-RQ", f"{event.identifier.get('QueryRetrieveLevel', '')} to {destination}")
        if destination not in self.peers:
            self._reply(event, "C-MOVE-RSP", "A801H, move destination unknown")
            yield None, None
            return
        pairs = sorted({(one.sop_class, one.transfer_syntax) for one in chosen})
        contexts = [build_context(sop_class, syntax) for sop_class, syntax in pairs][:128]
        called = {"contexts": contexts, "ae_title": destination, "evt_handlers": [(evt.EVT_CONN_OPEN, at_once)]}
        yield (*self.peers[destination], called) if contexts else self.peers[destination]
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
        event.assoc.dimse.then = lambda: self._reports.put((caller, asked, event.assoc))
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
        from pynetdicom import build_context, build_role, evt
        from pynetdicom.sop_class import StorageCommitmentPushModel, StorageCommitmentPushModelInstance

        own = None
        if caller in self.peers:
            own = self._entity.associate(*self.peers[caller], ae_title=caller, contexts=[build_context(StorageCommitmentPushModel)],
                                         ext_neg=[build_role(StorageCommitmentPushModel, scp_role=True)],
                                         evt_handlers=[(evt.EVT_CONN_OPEN, at_once)])
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

    def _step(self, uid):
        return self.store.step(uid)

    def _keep_step(self, uid, step):
        self.store.put_step(uid, step)


def _file(event, uid):
    """What a C-STORE brought as the bytes of a DICOM file (PS3.10 section 7.1).

    pynetdicom could write the file meta information too; these few elements are made here because that takes a tenth of the time.
    """
    request = event.request
    elements = [_element(2, b"UI", str(request.AffectedSOPClassUID)), _element(3, b"UI", uid), _element(0x10, b"UI", str(event.context.transfer_syntax)),
                _element(0x12, b"UI", IMPLEMENTATION_CLASS), _element(0x16, b"AE", event.assoc.requestor.ae_title)]
    meta = b"\x02\x00\x01\x00OB\x00\x00\x02\x00\x00\x00\x00\x01" + b"".join(elements)           # (0002,0001) File Meta Information Version
    return b"".join((bytes(128), b"DICM\x02\x00\x00\x00UL\x04\x00", struct.pack("<L", len(meta)), meta, request.DataSet.getbuffer()))


def _element(number, vr, text):
    """An element of group 0002 in Explicit VR Little Endian, its value of even length."""
    value = text.encode("ascii")
    value += (b"\0" if vr == b"UI" else b" ") * (len(value) % 2)
    return struct.pack("<HH2sH", 2, number, vr, len(value)) + value
