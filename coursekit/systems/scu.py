"""A service class user: one that calls a DICOM system and asks it for something, a line of code for each service.

    ct2 = Scu("CT2", "HV_PACS", archive.port)
    ct2.echo()                                                       # 0, which is success
    ct2.store(images)                                                # a status for each
    ct2.find("STUDY", PatientName="BR*", StudyDate="20250301-")      # data sets; `.statuses` has all that was answered
    ct2.worklist(ScheduledProcedureStepSequence={"Modality": "CT"})

Each call makes an association of its own and releases it. pynetdicom carries the protocol.
"""

import threading
import time
import types
from concurrent.futures import ThreadPoolExecutor

from coursekit.errors import CourseError
from coursekit.standards.associations import at_once
from coursekit.systems.system import HOST

SECONDS = 10.0                          # that one answer is waited for
WAITS = 50                              # into which a wait for a report is divided


class NoAssociation(CourseError, ConnectionError):
    """The other side did not take part: it can't be reached, rejected or aborted the association, or took none of the contexts.

    result, source, reason : the numbers of an A-ASSOCIATE-RJ (PS3.8 Table 9-21); else None
    """

    def __init__(self, sentence, result=None, source=None, reason=None):
        super().__init__(sentence)
        self.result, self.source, self.reason = result, source, reason


class Answers(list):
    """Data sets that came back, in the order in which they came.

    statuses : the Status of each response, the last one included (PS3.4 Annexes B, C and K); None for one that did not come in time
    """

    def __init__(self, found=(), statuses=()):
        super().__init__(found)
        self.statuses = list(statuses)

    def __repr__(self):
        said = ", ".join("none in time" if status is None else f"{status:04X}H" for status in dict.fromkeys(self.statuses))
        return f"<{len(self)} data sets; statuses {said}>"

    @property
    def status(self):
        """The last status."""
        return self.statuses[-1] if self.statuses else None

    def values(self, keyword):
        """The values of an attribute, one of each data set, as text; "" where it is empty or missing."""
        found = (one.get(keyword) for one in self)
        return ["" if value is None else str(value) for value in found]


class Scu:
    """A caller of DICOM services.

    title    : its own AE title, the calling one
    called   : the AE title that it calls
    port     : where the other side listens
    seconds  : how long it waits for each answer
    syntaxes : the UIDs of the transfer syntaxes that it offers in each context; the uncompressed ones if None. `store` offers that of the
               object
    classes  : the UIDs of the SOP classes that a C-GET may bring; the first 127 of the standard if None. An association has 128 contexts at
               most, for their numbers are odd and end at 255 (PS3.8 9.3.2.2)
    """

    def __init__(self, title, called, port, host=HOST, seconds=SECONDS, syntaxes=None, classes=None):
        self.title, self.called, self.port, self.host, self.seconds = title, called, port, host, seconds
        self.syntaxes, self.classes = syntaxes, classes

    def __repr__(self):
        return f"<{self.title}, which calls {self.called}>"

    # Services

    def echo(self):
        """C-ECHO. Returns its status (PS3.7 9.1.5); None when no answer came. Raises NoAssociation, as all that follow."""
        from pynetdicom.sop_class import Verification

        with self._associated([(Verification, self.syntaxes)]) as association:
            return _status(association.send_c_echo())

    def echo_together(self, count):
        """C-ECHO on `count` associations that are open at the same time. Returns a list: the status of each, None for one that did not come
        about."""
        from pynetdicom.sop_class import Verification

        everybody = threading.Barrier(count, timeout=2 * self.seconds)

        def one(_):
            try:
                with self._associated([(Verification, self.syntaxes)]) as association:
                    everybody.wait()                    # until each has its association, or has been refused
                    status = _status(association.send_c_echo())
                    everybody.wait()                    # nobody leaves before all have asked
                    return status
            except NoAssociation:
                everybody.wait()
                everybody.wait()
                return None

        with ThreadPoolExecutor(count) as callers:
            return list(callers.map(one, range(count)))

    def store(self, objects):
        """C-STORE of a data set or several, on one association. Returns a list with the status of each (PS3.4 B.2.3).

        None stands for an object that could not be sent: its SOP class and transfer syntax were not accepted together, or no answer came.
        """
        objects = [objects] if hasattr(objects, "SOPClassUID") else list(objects)
        pairs = dict.fromkeys((str(one.SOPClassUID), str(one.file_meta.TransferSyntaxUID)) for one in objects)
        statuses = []
        with self._associated([(sop_class, [syntax]) for sop_class, syntax in pairs]) as association:
            for one in objects:
                try:
                    statuses.append(_status(association.send_c_store(one)))
                except (ValueError, RuntimeError):              # no context was accepted for it, or the association has ended
                    statuses.append(None)
        return statuses

    def find(self, level="STUDY", keys=None, cancel_after=None, **more):
        """C-FIND at the study root: what the archive knows at "STUDY", "SERIES" or "IMAGE". Returns Answers.

        keys, more   : the query, as for `dataset`; "" asks for an attribute and matches everything
        cancel_after : send a C-CANCEL after so many answers
        """
        from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind

        return self._found(StudyRootQueryRetrieveInformationModelFind, dataset(keys, QueryRetrieveLevel=level, **more), cancel_after)

    def worklist(self, keys=None, cancel_after=None, **more):
        """C-FIND of the modality worklist (PS3.4 K.4.1). Returns Answers; arguments as for `find`."""
        from pynetdicom.sop_class import ModalityWorklistInformationFind

        return self._found(ModalityWorklistInformationFind, dataset(keys, **more), cancel_after)

    def get(self, level="STUDY", keys=None, **more):
        """C-GET at the study root: Answers, the objects that came. `statuses` are those of the C-GET (PS3.4 C.4.3)."""
        from pynetdicom import AllStoragePresentationContexts, build_role, evt
        from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet as model

        came = []
        classes = self.classes or [context.abstract_syntax for context in AllStoragePresentationContexts[:127]]

        def take(event):
            one = event.dataset
            one.file_meta = event.file_meta
            came.append(one)
            return 0x0000

        with self._associated([(model, self.syntaxes), *((one, self.syntaxes) for one in classes)],
                              [build_role(one, scp_role=True) for one in classes], [(evt.EVT_C_STORE, take)]) as association:
            statuses = [_status(status) for status, _ in association.send_c_get(dataset(keys, QueryRetrieveLevel=level, **more), model)]
        return Answers(came, statuses)

    def move(self, to, level="STUDY", keys=None, **more):
        """C-MOVE at the study root, to the AE title `to`. Returns (last status, completed, failed, warning sub-operations)."""
        from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelMove as model

        with self._associated([(model, self.syntaxes)]) as association:
            last = None
            for last, _ in association.send_c_move(dataset(keys, QueryRetrieveLevel=level, **more), to, model):
                pass
        counts = (last.get(f"NumberOf{name}Suboperations") for name in ("Completed", "Failed", "Warning")) if last else (None,) * 3
        return (_status(last), *counts)

    def commit(self, objects, seconds=None):
        """Storage commitment of objects, on one association that stays open for the answer (PS3.4 J.3).

        objects : data sets, or pairs (SOP Class UID, SOP Instance UID)

        Returns (status of the N-ACTION, UIDs committed, UIDs failed); the UIDs are None when no N-EVENT-REPORT came.
        """
        from pydicom.dataset import Dataset
        from pydicom.uid import generate_uid
        from pynetdicom import evt
        from pynetdicom.pdu import P_DATA_TF
        from pynetdicom.sop_class import StorageCommitmentPushModel as model
        from pynetdicom.sop_class import StorageCommitmentPushModelInstance

        asked, reported, said = Dataset(), threading.Event(), []
        asked.TransactionUID = generate_uid(prefix=None)
        asked.ReferencedSOPSequence = [
            dataset(ReferencedSOPClassUID=pair[0], ReferencedSOPInstanceUID=pair[1])
            for pair in ((one.SOPClassUID, one.SOPInstanceUID) if hasattr(one, "SOPClassUID") else one for one in objects)]

        def report(event):
            said.append(event.event_information)
            return 0x0000, None

        def sent(event):
            # pynetdicom answers the report in a thread of its own: the association must not be released before that answer is out.
            if said and isinstance(event.pdu, P_DATA_TF):
                reported.set()

        with self._associated([(model, self.syntaxes)], handlers=[(evt.EVT_N_EVENT_REPORT, report), (evt.EVT_PDU_SENT, sent)]) as association:
            status, _ = association.send_n_action(asked, 1, model, StorageCommitmentPushModelInstance)
            # In many short waits: where the machine is so busy that nobody gets on, each of them takes longer.
            came = _status(status) == 0 and any(reported.wait((seconds or self.seconds) / WAITS) for _ in range(WAITS))
        if not came:
            return _status(status), None, None
        uids = ([str(item.ReferencedSOPInstanceUID) for item in said[0].get(name) or []]
                for name in ("ReferencedSOPSequence", "FailedSOPSequence"))
        return (_status(status), *uids)

    def begin_step(self, uid, keys=None, **more):
        """N-CREATE of a performed procedure step with the SOP Instance UID `uid` (PS3.4 F.7.2.1). Returns its status."""
        from pynetdicom.sop_class import ModalityPerformedProcedureStep as model

        with self._associated([(model, self.syntaxes)]) as association:
            return _status(association.send_n_create(dataset(keys, **more), model, uid)[0])

    def change_step(self, uid, keys=None, **more):
        """N-SET of a performed procedure step (PS3.4 F.7.2.2). Returns its status."""
        from pynetdicom.sop_class import ModalityPerformedProcedureStep as model

        with self._associated([(model, self.syntaxes)]) as association:
            return _status(association.send_n_set(dataset(keys, **more), model, uid)[0])

    def contexts(self, classes):
        """What an association gives, without doing anything on it.

        classes : {SOP class UID: list of transfer syntax UIDs}, a presentation context for each

        Returns {SOP class UID: (result, accepted transfer syntax or None)}; results of PS3.8 Table 9-18. No context accepted is no error.
        """
        answered = self.negotiate(classes.items())
        return {str(sop_class): (result, syntax) for sop_class, (_, result, syntax) in zip(classes, answered, strict=True)}

    def negotiate(self, contexts):
        """The same where a SOP class is proposed in several presentation contexts.

        contexts : pairs (SOP class UID, list of transfer syntax UIDs), at most 128; their ids are 1, 3, 5, ...

        Returns a list of (id, result, accepted transfer syntax or None) in that order.
        """
        with self._associated(list(contexts), none_will_do=True) as association:
            answered = [*association.accepted_contexts, *association.rejected_contexts]
        return sorted((one.context_id, one.result, str(one.transfer_syntax[0]) if one.result == 0 else None) for one in answered)

    # How

    def _found(self, model, query, cancel_after):
        found = Answers()
        with self._associated([(model, self.syntaxes)]) as association:
            for status, item in association.send_c_find(query, model, msg_id=1):
                found.statuses.append(_status(status))
                if item is not None:
                    found.append(item)
                    if len(found) == cancel_after:
                        association.send_c_cancel(1, query_model=model)
        return found

    def _associated(self, contexts, roles=(), handlers=(), none_will_do=False):
        """A context manager: an association that is released at the end. `contexts` are (abstract syntax, transfer syntaxes or None)."""
        return _Association(self, contexts, list(roles), list(handlers), none_will_do)


class _Association:
    def __init__(self, scu, contexts, roles, handlers, none_will_do):
        from pynetdicom import AE, evt

        self._scu, self._roles, self._none_will_do, self._refused = scu, roles, none_will_do, None
        self._entity = entity = AE(scu.title)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = entity.connection_timeout = scu.seconds
        for abstract_syntax, syntaxes in contexts:
            entity.add_requested_context(abstract_syntax, *([list(syntaxes)] if syntaxes else []))
        self._handlers = [*handlers, (evt.EVT_PDU_RECV, self._came), (evt.EVT_CONN_OPEN, self._opened)]
        self._connected = False

    def _came(self, event):
        # Noted here, for pynetdicom takes a rejection for no connection when it comes before the caller's thread gets on.
        from pynetdicom.pdu import A_ASSOCIATE_RJ

        if isinstance(event.pdu, A_ASSOCIATE_RJ):
            self._refused = event.pdu.to_primitive()

    def _opened(self, event):
        self._connected = True
        at_once(event)
        event.assoc.kill = types.MethodType(_kill, event.assoc)

    def __enter__(self):
        scu = self._scu
        self._association = association = self._entity.associate(
            scu.host, scu.port, ae_title=scu.called, evt_handlers=self._handlers, ext_neg=self._roles or None)
        if association.is_established or self._none_will_do and association.rejected_contexts:
            return association
        if self._refused:
            from coursekit.standards.upper_layer import REJECT_REASONS

            said = self._refused
            numbers = said.result, said.result_source, said.diagnostic
            raise NoAssociation(f"{scu.called} rejected the association of {scu.title}: result {numbers[0]}, source {numbers[1]}, reason "
                                f"{numbers[2]}, {REJECT_REASONS.get(numbers[1:], 'unknown')}.", *numbers)
        if association.rejected_contexts:
            raise NoAssociation(f"{scu.called} accepted the association of {scu.title}, and none of the presentation contexts in it.")
        if self._connected:
            raise NoAssociation(f"{scu.called} took the connection of {scu.title}, and then aborted it or did not answer.")
        raise NoAssociation(f"{scu.called} can't be reached: nothing takes the connection.")

    def __exit__(self, *_):
        association = self._association
        if association.is_established:
            association.release()
        if association.ident is not None:               # its thread has begun
            association.join(self._scu.seconds)


def dataset(keys=None, **more):
    """A data set from attributes by their keywords.

    keys : a pydicom Dataset or a dict; `more` comes on top. A dict, or a list of them, is a sequence:
           dataset(PatientID="HV100234", ScheduledProcedureStepSequence={"Modality": "CT"})

    Raises CourseError for a keyword that the standard's dictionary does not have.
    """
    from pydicom.datadict import tag_for_keyword
    from pydicom.dataset import Dataset

    made = Dataset()
    if isinstance(keys, Dataset):
        made.update(keys)
        keys = None
    for keyword, value in {**(keys or {}), **more}.items():
        if tag_for_keyword(keyword) is None:
            raise CourseError(f"`{keyword}` is no keyword of DICOM's data dictionary (PS3.6). Keywords are written like `PatientName`.")
        if isinstance(value, dict):
            value = [value]
        if isinstance(value, (list, tuple)) and value and all(isinstance(one, (dict, Dataset)) for one in value):
            value = [dataset(one) for one in value]
        setattr(made, keyword, value)
    return made


def _kill(association):
    """End an association's thread, as pynetdicom's own `kill`; but that looks a hundred times a second whether all has been sent, which is
    most of the time that a short call takes."""
    association._reactor_checkpoint.set()
    association._kill = association._is_paused = True
    association.is_established = False
    while association.dul.is_alive() and not association.dul.stop_dul():
        time.sleep(0.0005)


def _status(status):
    """The Status of a response as a number; None when none came."""
    return int(status.Status) if status and "Status" in status else None
