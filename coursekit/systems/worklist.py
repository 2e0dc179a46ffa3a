"""A modality worklist that runs: orders come in as HL7, scanners ask for their steps and report what they did.

    with Worklist("HV_MWL") as worklist:
        worklist.take(message)              # or over MLLP, at worklist.hl7_port
        worklist.items()                    # what a scanner finds at worklist.port

What an item holds is the affair of ``coursekit.standards.order_mapping``, or of a mapping function that is given instead.

**Orders** (IHE RAD-4 and RAD-13; ORC-1, table 0119): NW makes items; XO replaces those of its order, whose study stays the same; CA and
DC take them off; SC gives them a status by ORC-5. **Patients** (RAD-12): an ADT updates the items of its patient; A40 moves those of MRG-1
to PID-3. **Performed steps** (MPPS): IN PROGRESS marks an item as STARTED, the end takes it off.

A message is acknowledged when what it changes is on the disk. The same message once more, as a sender repeats it that has seen no
acknowledgement, is acknowledged and changes nothing.
"""

import contextlib
import copy
import hashlib
import sqlite3
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

from coursekit.standards import hl7, matching
from coursekit.standards.hl7 import Refusal
from coursekit.standards.order_mapping import Site, as_sent, order_to_items, patient_attributes, prior_identifier, visit
from coursekit.systems.dicom_server import FINAL, DicomServer, PerformedSteps
from coursekit.systems.mllp import UNREADABLE, Listener

ORDERS = ("ORM^O01", "OMI^O23")
UPDATES = tuple(f"ADT^A{number:02}" for number in (1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 28, 31))
MERGE = "ADT^A40"
OFF = ("CA", "DC")                                      # ORC-1 of an order that is not to be done
STATUSES = {"SC": "SCHEDULED", "IP": "STARTED", "CM": None, "CA": None, "DC": None}      # of ORC-5 (table 0038); None takes items off
WRONG_ENTRY = ("110514", "DCM")                         # "Incorrect worklist entry selected", PS3.16 CID 9300
PENDING = ("", "IN PROGRESS")                           # what an entry is off for, or not, while it may still come back
LARGEST_REQUEST = 1 << 23                               # bytes of a query or a report of a performed step

# What may be asked for, besides what is no key (PS3.4 Table K.6-1): all of types 1 and 2, and of type 3 what items hold.
_CODE = dict.fromkeys(("CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "CodeMeaning"))
_REFERENCE = dict.fromkeys(("ReferencedSOPClassUID", "ReferencedSOPInstanceUID"))
KEYS = {
    **dict.fromkeys((
        "AccessionNumber", "ReferringPhysicianName", "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex",
        "PatientWeight", "MedicalAlerts", "Allergies", "PregnancyStatus", "SpecialNeeds", "PatientState",
        "ConfidentialityConstraintOnPatientDataDescription", "StudyInstanceUID", "RequestingPhysician", "RequestedProcedureDescription",
        "RequestedProcedureID", "RequestedProcedurePriority", "ReasonForTheRequestedProcedure", "PatientTransportArrangements",
        "PlacerOrderNumberImagingServiceRequest", "FillerOrderNumberImagingServiceRequest", "AdmissionID", "CurrentPatientLocation")),
    "IssuerOfPatientIDQualifiersSequence": dict.fromkeys(("UniversalEntityID", "UniversalEntityIDType")),
    "RequestedProcedureCodeSequence": _CODE, "ReferencedStudySequence": _REFERENCE, "ReferencedPatientSequence": _REFERENCE,
    "ScheduledProcedureStepSequence": {
        **dict.fromkeys((
            "Modality", "ScheduledStationAETitle", "ScheduledStationName", "ScheduledProcedureStepLocation",
            "ScheduledProcedureStepStartDate", "ScheduledProcedureStepStartTime", "ScheduledPerformingPhysicianName",
            "ScheduledProcedureStepDescription", "ScheduledProcedureStepID", "ScheduledProcedureStepStatus", "PreMedication",
            "RequestedContrastAgent")),
        "ScheduledProtocolCodeSequence": _CODE,
    },
}
REQUIRED = ("PatientName", "PatientID", "StudyInstanceUID", "RequestedProcedureID")             # type 1, as those of the step
REQUIRED_OF_STEP = ("ScheduledStationAETitle", "ScheduledProcedureStepStartDate", "ScheduledProcedureStepStartTime", "Modality",
                    "ScheduledProcedureStepID")
NUMBER = ("PatientID", "IssuerOfPatientID", "IssuerOfPatientIDQualifiersSequence")
PATIENT = (*NUMBER, "PatientName", "PatientBirthDate", "PatientSex")

_TABLES = """
CREATE TABLE IF NOT EXISTS entry (ordered TEXT, step TEXT, item TEXT NOT NULL, off TEXT NOT NULL, PRIMARY KEY (ordered, step));
CREATE TABLE IF NOT EXISTS patient (issuer TEXT, number TEXT, attributes TEXT NOT NULL, PRIMARY KEY (issuer, number));
CREATE TABLE IF NOT EXISTS merged (issuer TEXT, number TEXT, into_issuer TEXT NOT NULL, into_number TEXT NOT NULL,
    PRIMARY KEY (issuer, number));
CREATE TABLE IF NOT EXISTS mpps (uid TEXT PRIMARY KEY, attributes TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS message (sender TEXT, control_id TEXT, digest TEXT, PRIMARY KEY (sender, control_id, digest));
"""


class Entry(NamedTuple):
    """A step that was ordered: the number of its order, its own ID, its patient (issuer, number), the item; `off` says what took it off the
    list, "" while it's on."""

    order: str
    step: str
    patient: tuple
    item: object
    off: str

    @classmethod
    def of(cls, order, item, off=""):
        """The entry of an item."""
        return cls(order, str(item.ScheduledProcedureStepSequence[0].ScheduledProcedureStepID), _patient_of(item), item, off)

    @property
    def scheduled(self):
        """The item's only Scheduled Procedure Step."""
        return self.item.ScheduledProcedureStepSequence[0]

    def changed(self, status=None, off=None, patient=None):
        """The entry with another status, or taken off, or with the attributes of the Dataset `patient`."""
        item = copy.deepcopy(self.item)
        if status is not None:
            item.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStatus = status
        if patient is not None:
            for keyword in NUMBER:
                item.pop(keyword, None)
            item.update(patient)
        return Entry.of(self.order, item, self.off if off is None else off)


class Worklist(PerformedSteps, DicomServer):
    """A worklist.

    title    : its AE title
    site     : what order_mapping wants to know of the site
    mapping  : a function that is given an order (a ``hl7.Message``) and returns its items, a pydicom Dataset or a list of them; what it
               raises is answered with AE and a sentence. None: ``order_to_items`` with `site`
    fits     : a function that judges one key of a query, as of ``matching.matches``; a query at which it fails is answered with C000H
    callers  : the AE titles that may call; None: anybody
    folder   : where it keeps what it must not lose; a temporary one, gone at the end, if not given
    port     : where it listens for DICOM, `hl7_port` for HL7 over MLLP; free ports if 0. Read them again after `start`
    off_at   : the states of a performed procedure step that take its item off the list
    clock    : as of a ``Listener``: the text for MSH-7 of acknowledgements
    certificates : as of ``Archive``

    `over_mllp` counts the messages that came over MLLP, those not included that were handed to `take`.
    """

    largest = LARGEST_REQUEST

    def __init__(self, title="HV_MWL", site=Site(), mapping=None, callers=None, folder=None, port=0, hl7_port=0, off_at=FINAL, clock=None,
                 certificates=None, fits=None):
        super().__init__(title, callers, port, certificates)
        self.site, self.mapping, self.fits, self.folder, self.hl7_port, self.off_at = site, mapping, fits, folder, hl7_port, tuple(off_at)
        self._clock = clock or (lambda: None)
        self._lock = threading.RLock()                  # of all that follows
        self._entries, self._patients, self._merged = {}, {}, {}
        self._database = self._listener = self._temporary = None
        self.over_mllp = 0

    def __repr__(self):
        state = "runs" if self._runs else "is stopped"
        return f"<worklist {self.title} {state}: {len(self._on_the_list())} items, {len(self.journal)} events>"

    # Beginning and end

    def _begin(self):
        from pynetdicom import sop_class as sop

        if self.folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="coursekit-worklist-", ignore_cleanup_errors=True)
        folder = Path(self._temporary.name if self._temporary else self.folder)
        folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(folder / "worklist.sqlite", check_same_thread=False, isolation_level=None)
        # On the disk, and not on its way there, when a transaction ends: then it is acknowledged.
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "fullfsync = 1"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.executescript(_TABLES)
        self._load()
        self._listener = Listener(self.title, self._came, self.hl7_port, clock=self._clock)
        self._listener.journal = self.journal
        self._listener.start()
        self.hl7_port = self._listener.port
        self._serve(*((one, None, False) for one in (sop.Verification, sop.ModalityWorklistInformationFind,
                                                     sop.ModalityPerformedProcedureStep)))

    def _end(self):
        if self._listener:
            self._listener.stop()
            self._listener = None
        self._hang_up()
        if self._database:
            with self._lock:
                self._database.close()
            self._database = None
        if self._temporary:
            self._temporary.cleanup()
            self._temporary = None

    def _handlers(self):
        from pynetdicom import evt

        return [*super()._handlers(), (evt.EVT_C_FIND, self._find)]

    # What is kept

    def _load(self):
        from pydicom.dataset import Dataset

        rows = self._database.execute
        self._entries = {(order, step): Entry.of(order, Dataset.from_json(item), off)
                         for order, step, item, off in rows("SELECT ordered, step, item, off FROM entry")}
        self._patients = {(issuer, number): Dataset.from_json(attributes)
                          for issuer, number, attributes in rows("SELECT issuer, number, attributes FROM patient")}
        self._merged = {(issuer, number): tuple(into) for issuer, number, *into in rows("SELECT * FROM merged")}

    @contextlib.contextmanager
    def _transaction(self):
        """A transaction on the disk; what is kept in memory follows it there, or goes back to what it was."""
        with self._lock:
            before = self._entries.copy(), self._patients.copy(), self._merged.copy()
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database.execute
                self._database.execute("COMMIT")
            except BaseException:
                self._entries, self._patients, self._merged = before
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    def _put(self, execute, entry):
        self._entries[entry.order, entry.step] = entry
        execute("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?)", (entry.order, entry.step, entry.item.to_json(), entry.off))

    def _put_patient(self, execute, key, attributes):
        self._patients[key] = attributes
        execute("INSERT OR REPLACE INTO patient VALUES (?, ?, ?)", (*key, attributes.to_json()))

    def _of_order(self, order):
        return [entry for entry in self._entries.values() if entry.order == order]

    def _on_the_list(self):
        with self._lock:
            found = [entry for entry in self._entries.values() if not entry.off]
        return sorted(found, key=lambda entry: (str(entry.scheduled.ScheduledProcedureStepStartDate),
                                                str(entry.scheduled.ScheduledProcedureStepStartTime), entry.step))

    def items(self):
        """What is on the list: a list of pydicom Datasets, by start."""
        return [copy.deepcopy(entry.item) for entry in self._on_the_list()]

    # HL7

    def take(self, message):
        """Take a message (``hl7.Message``, bytes or text) as if it had come over MLLP: the acknowledgement, a ``hl7.Message``, or None if
        the message wants none."""
        if not self._runs:
            raise RuntimeError(f"The worklist {self.title} is stopped.")
        try:
            message = message if isinstance(message, hl7.Message) else hl7.parse(message)
        except hl7.BadMessage as problem:
            octets = bytes(message) if isinstance(message, bytes | bytearray | memoryview) else str(message).encode("utf-8", "replace")
            self.journal.add(UNREADABLE, self.title, "no message", str(problem))
            return self._answered(UNREADABLE, hl7.unreadable(octets, str(problem), self._clock()))
        self.journal.add(message.sender, self.title, message.event, message.control_id, message)
        try:
            answer = self._answer(message)
        except Refusal as refusal:
            answer = hl7.reply(message, refusal, self._clock())
        return self._answered(message.sender, answer)

    def _answered(self, sender, answer):
        if answer is not None:
            self.journal.add(self.title, sender, answer.event, f"{answer['MSA-1']} {answer['MSA-2']}".strip(), answer)
        return answer

    def _came(self, message):
        with self._lock:
            self.over_mllp += 1
        return self._answer(message)

    def _answer(self, message):
        """The acknowledgement of a message, when what it changes is kept. Raises Refusal."""
        hl7.check_header(message)
        prepare = {**dict.fromkeys(ORDERS, self._order), **dict.fromkeys(UPDATES, self._update), MERGE: self._merge}.get(message.event)
        if prepare is None:
            known = message["MSH-9.1"] in {event.split("^")[0] for event in (*ORDERS, MERGE)}
            raise Refusal("AR", f"{message.event} is not for a worklist.", *(("201", "MSH^1^9^1^2") if known else ("200", "MSH^1^9^1^1")))
        message = as_sent(message, self.site)
        change = prepare(message)                           # before anything is locked: a learner's mapping may take its time
        identity = (message.sender, message.control_id, hashlib.sha256(repr(message).encode("utf-8", "replace")).hexdigest())
        try:
            with self._transaction() as execute:
                if not execute("SELECT 1 FROM message WHERE sender = ? AND control_id = ? AND digest = ?", identity).fetchone():
                    changes = self._database.total_changes
                    change(execute)
                    if self._database.total_changes > changes:
                        execute("INSERT INTO message VALUES (?, ?, ?)", identity)
        except sqlite3.Error as problem:
            raise Refusal("AR", f"The change can't be kept: {problem}", "207") from None
        return hl7.reply(message, at=self._clock())

    # Orders

    # Each gives, for a message, the function that carries it out in a transaction.

    def _order(self, message):
        controls = {}                                       # order number: (ORC-1, ORC-5, which ORC it is)
        for number, orc in enumerate(message.segments("ORC"), 1):
            order = next((f"{orc[field + '.1']}^{orc[field + '.2']}" for field in ("2", "3") if orc[field + ".1"]), None)
            if order is None:
                raise Refusal("AE", "The order has no number, neither in ORC-2 nor in ORC-3.", "101", f"ORC^{number}^2")
            told = (orc["1"], orc["5"], number)
            if controls.setdefault(order, told)[:2] != told[:2]:
                raise Refusal("AE", f"Order {_named(order)} is told two things in one message.", "100", f"ORC^{number}^1")
        if not controls:
            raise Refusal("AE", "The order has no ORC segment.", "100", "ORC^1")
        for control, status, number in controls.values():
            if control not in ("NW", "XO", "SC", *OFF):
                raise Refusal("AE", f"ORC-1 {control!r} is not known here; NW, XO, CA, DC and SC are.", "103", f"ORC^{number}^1")
            if control == "SC" and status not in STATUSES:
                raise Refusal("AE", f"ORC-5 {status!r} is not known here; SC, IP, CM, CA and DC are.", "103", f"ORC^{number}^5")
        planned = self._planned(message, controls) if any(control in ("NW", "XO") for control, _, _ in controls.values()) else {}

        def change(execute):
            for order, (control, status, number) in controls.items():
                before, place = self._of_order(order), f"ORC^{number}^2"
                if control == "NW" and before:
                    raise Refusal("AE", f"Order {_named(order)} is known already; ORC-1 XO changes an order.", "205", place)
                if control != "NW" and not before:
                    raise Refusal("AE", f"Order {_named(order)} is not known here.", "204", place)
                if control in ("NW", "XO"):
                    self._plan(execute, order, before, planned.get(order, []), place)
                if control in OFF or status in STATUSES and STATUSES[status] is None:       # such as XO with CM: done, and otherwise
                    self._take_off(execute, self._of_order(order), control if control in OFF else status)
                elif control == "SC":
                    for entry in before:
                        if not entry.off:
                            self._put(execute, entry.changed(status=STATUSES[status]))

        return change

    def _take_off(self, execute, entries, why):
        for entry in entries:
            if entry.off in PENDING:
                self._put(execute, entry._replace(off=why))

    def _planned(self, message, controls):
        """The items of a message by order number: {order: [Dataset]}."""
        if self.mapping is None:
            items = order_to_items(message, self.site)
        else:
            try:
                items = _items_in(self.mapping(message.copy()))
            except Refusal:
                raise
            except Exception as problem:                    # whatever a learner's function does
                raise Refusal("AE", f"The mapping failed with {type(problem).__name__}: {problem}", "207") from None
        planned = {}
        for item in items:
            number = str(item.get("PlacerOrderNumberImagingServiceRequest", ""))
            only = next(iter(controls)) if len(controls) == 1 else None
            order = next((order for order in controls if order.split("^")[0] == number), only)
            if order is None:
                raise Refusal("AE", "An item does not say to which of the message's orders it belongs, in Placer Order Number.", "207")
            planned.setdefault(order, []).append(item)
        return planned

    def _plan(self, execute, order, before, items, place):
        """Put the items of an order on the list, in place of those that it had."""
        if not items:
            raise Refusal("AE", f"The mapping made no item of order {_named(order)}.", "207")
        if before and all(entry.off not in PENDING for entry in before):
            raise Refusal("AE", f"Order {_named(order)} is not to be done any more: nothing of it can be changed.", "204", place)
        studies = {str(entry.item.StudyInstanceUID) for entry in before}
        steps = [str(item.ScheduledProcedureStepSequence[0].ScheduledProcedureStepID) for item in items]
        if len(set(steps)) < len(steps):
            raise Refusal("AE", f"Two steps of order {_named(order)} have the same Scheduled Procedure Step ID.", "205")
        for step, item in zip(steps, items):
            if studies and str(item.StudyInstanceUID) not in studies:
                raise Refusal("AE", f"Order {_named(order)} has another Study Instance UID now: a change keeps it, for images may bear it.",
                              "204")
            earlier = self._entries.get((order, step))
            entry = self._with_patient(execute, Entry.of(order, item, earlier.off if earlier else ""))
            if earlier:
                entry = entry.changed(status=earlier.scheduled.get("ScheduledProcedureStepStatus", "SCHEDULED"))
            self._put(execute, entry)
        for entry in before:
            if entry.step not in steps:
                self._take_off(execute, [entry], "XO")

    # Patients

    def _survivor(self, key):
        """The patient into whom a patient (issuer, number) was merged at last."""
        while key in self._merged:
            key = self._merged[key]
        return key

    def _with_patient(self, execute, entry):
        """An entry of a new item: its patient becomes known; one who was merged into another is that other."""
        key = entry.patient
        survivor = self._survivor(key)
        if survivor != key:
            return entry.changed(patient=self._patients[survivor])
        if key not in self._patients:
            self._put_patient(execute, key, _only(entry.item, PATIENT))
        return entry

    def _update(self, message):
        told, where = patient_attributes(message, self.site), visit(message, self.site)
        return lambda execute: self._update_patient(execute, told, *where)

    def _update_patient(self, execute, told, admission, location):
        key = _patient_of(told)
        if key in self._merged:
            raise Refusal("AE", f"Patient {key[1]} was merged into {self._survivor(key)[1]}.", "204", "PID^1^3")
        if key not in self._patients:                       # nothing was ordered for this patient
            return
        attributes = _updated(self._patients[key], told)
        if attributes != self._patients[key]:
            self._put_patient(execute, key, attributes)
        for entry in self._of_patient(key):
            changed = entry.changed(patient=told)
            if admission and location and admission == str(changed.item.get("AdmissionID", "")):
                changed.item.CurrentPatientLocation = location
            if changed.item != entry.item:
                self._put(execute, changed)

    def _of_patient(self, key):
        return [entry for entry in self._entries.values() if entry.patient == key]

    def _merge(self, message):
        told, retired = patient_attributes(message, self.site), prior_identifier(message, self.site)
        return lambda execute: self._merge_patients(execute, told, retired)

    def _merge_patients(self, execute, told, retired):
        key = _patient_of(told)
        if retired == key:
            raise Refusal("AE", "MRG-1 is the number of PID-3 itself.", "204", "MRG^1^1")
        if retired not in self._patients:
            owner = f" of {retired[0]}" if retired[0] else ", without an assigning authority,"
            raise Refusal("AE", f"Patient {retired[1]}{owner} is not known here.", "204", "MRG^1^1" if retired[0] else "MRG^1^1^1^4")
        survivor = self._survivor(key)
        if survivor == retired:
            raise Refusal("AE", f"Patient {key[1]} was merged into {retired[1]} before.", "204", "PID^1^3")
        if retired in self._merged and self._survivor(retired) != survivor:
            raise Refusal("AE", f"Patient {retired[1]} was merged into {self._merged[retired][1]} before.", "204", "MRG^1^1")
        if survivor == key:                                 # not of one who is gone: what is told of them is old
            self._put_patient(execute, key, _updated(self._patients[key], told) if key in self._patients else told)
        self._merged[retired] = key
        execute("INSERT OR REPLACE INTO merged VALUES (?, ?, ?, ?)", (*retired, *key))
        for entry in self._of_patient(retired):
            self._put(execute, entry.changed(patient=self._patients[survivor]))

    # Queries

    def _find(self, event):
        self._note(event, "C-FIND-RQ", "worklist")
        try:
            asked = event.identifier
            asked.decode()
            keys, all_known = matching.supported(asked, KEYS)
        except Exception as problem:                        # whatever a broken data set makes of pydicom
            self._reply(event, "C-FIND-RSP", f"C000H, the query can't be read: {type(problem).__name__}")
            yield 0xC000, None
            return
        wrong = "no key of a worklist" if not keys else "a sequence of more than one item (PS3.4 C.2.2.2.6)" if any(
            element.VR == "SQ" and len(element.value) > 1 for element in keys) else None
        if wrong:
            self._reply(event, "C-FIND-RSP", f"A900H, the query has {wrong}")
            yield 0xA900, None
            return
        count, period = 0, _Period(keys)
        for entry in self._on_the_list():
            if event.is_cancelled:
                self._reply(event, "C-FIND-RSP", f"FE00H, cancelled after {count}")
                yield 0xFE00, None
                return
            try:
                found = period.fits(entry.scheduled) and matching.matches(entry.item, period.others, self.fits)
            except Exception as problem:                    # whatever a learner's function does
                self._reply(event, "C-FIND-RSP", f"C000H, the matching failed with {type(problem).__name__}: {problem}")
                yield 0xC000, None
                return
            if found:
                count += 1
                yield 0xFF00 if all_known else 0xFF01, _encodable(matching.answer(entry.item, keys), asked)
        self._reply(event, "C-FIND-RSP", f"0000H after {count} answer{'s' * (count != 1)}" + ("" if all_known or not count else " of FF01H"))

    # Performed steps

    def _step(self, uid):
        from pydicom.dataset import Dataset

        with self._lock:
            row = self._database.execute("SELECT attributes FROM mpps WHERE uid = ?", (uid,)).fetchone()
        step = row and Dataset.from_json(row[0])
        return step and (str(step.PerformedProcedureStepStatus), step)

    def _keep_step(self, uid, step):
        status = str(step.PerformedProcedureStepStatus)
        mistaken = status == "DISCONTINUED" and any(
            (reason.get("CodeValue"), reason.get("CodingSchemeDesignator")) == WRONG_ENTRY
            for reason in step.get("PerformedProcedureStepDiscontinuationReasonCodeSequence") or [])
        fulfilled = {(str(one.get("StudyInstanceUID", "")), str(one.get("ScheduledProcedureStepID", "")))
                     for one in step.get("ScheduledStepAttributesSequence") or []}
        with self._transaction() as execute:
            execute("INSERT OR REPLACE INTO mpps VALUES (?, ?)", (uid, step.to_json()))
            for entry in list(self._entries.values()):
                if (str(entry.item.StudyInstanceUID), entry.step) not in fulfilled or entry.off not in PENDING:
                    continue
                if mistaken:                                # the patient still waits for this step
                    self._put(execute, entry.changed(status="SCHEDULED", off=""))
                else:
                    self._put(execute, entry.changed(status="STARTED", off=status if status in self.off_at else entry.off))


# Items and queries

def _named(order):
    number, _, owner = order.partition("^")
    return f"{number} of {owner}" if owner else number


def _items_in(made):
    """The items that a mapping made, a list of Dataset of its own, each complete. Raises Refusal."""
    from pydicom.dataset import Dataset
    from pynetdicom.dsutils import encode

    made = [made] if isinstance(made, Dataset) else made
    if not isinstance(made, list | tuple) or not all(isinstance(item, Dataset) for item in made):
        raise Refusal("AE", "The mapping returns neither a Dataset nor a list of them.", "207")
    items = []
    for item in made:
        steps = item.get("ScheduledProcedureStepSequence") or []
        if len(steps) != 1:
            raise Refusal("AE", f"An item of the mapping has {len(steps)} Scheduled Procedure Steps, not one (PS3.4 K.6).", "207")
        for dataset, keywords in ((item, REQUIRED), (steps[0], REQUIRED_OF_STEP)):
            for keyword in keywords:
                if not dataset.get(keyword):
                    raise Refusal("AE", f"An item of the mapping lacks {keyword}, which is type 1 (PS3.4 Table K.6-1).", "207")
        if encode(item, True, True) is None:
            raise Refusal("AE", "An item of the mapping holds a value that can't be sent as DICOM.", "207")
        items.append(Dataset.from_json(item.to_json()))     # as it is kept, and apart from what the mapping still holds
    return items


def _patient_of(dataset):
    return str(dataset.get("IssuerOfPatientID", "")), str(dataset.get("PatientID", ""))


def _only(dataset, keywords):
    from pydicom.dataset import Dataset

    part = Dataset()
    for keyword in keywords:
        if keyword in dataset:
            part[keyword] = dataset[keyword]
    return part


def _updated(attributes, told):
    changed = copy.deepcopy(attributes)
    changed.update(told)
    return changed


class _Period:
    """The keys of a query apart from a period of time, and that period.

    When both Start Date and Start Time are ranges, they are one range, from the first day's first time to the last day's last (PS3.4
    Table K.6-1): a night shift can ask for 22 to 06 hours.
    """

    def __init__(self, keys):
        self.others, self._range = keys, None
        steps = keys.get("ScheduledProcedureStepSequence") or []
        texts = [str(steps[0].get(f"ScheduledProcedureStepStart{part}", "") or "") for part in ("Date", "Time")] if steps else ["", ""]
        if all("-" in text for text in texts):
            from pydicom.dataset import Dataset

            self.others = copy.deepcopy(keys)
            for part in ("Date", "Time"):
                del self.others.ScheduledProcedureStepSequence[0][f"ScheduledProcedureStepStart{part}"]
            (first, _, last), (begin, _, end) = (text.replace(" ", "").replace(":", "").partition("-") for text in texts)
            self._range = Dataset()
            self._range.add_new("ScheduledProcedureStepStartDateTime", "DT", f"{first and first + begin}-{last and last + end}")

    def fits(self, scheduled):
        """Whether a scheduled step begins in it."""
        if self._range is None:
            return True
        from pydicom.dataset import Dataset

        start = Dataset()
        start.ScheduledProcedureStepStartDateTime = (f"{scheduled.ScheduledProcedureStepStartDate}"
                                                     f"{scheduled.ScheduledProcedureStepStartTime}")
        return matching.matches(start, self._range)


def _encodable(answer, asked):
    """An answer of its own in the character set of the query, if that can hold it, else in UTF-8."""
    from pydicom.charset import python_encoding

    answer = _fresh(answer)
    wanted = asked.get("SpecificCharacterSet") or ""
    codec = python_encoding.get(wanted) if wanted and isinstance(wanted, str) else None if wanted else "ascii"
    try:
        "".join(str(element.value) for element in answer.iterall() if element.VR != "SQ").encode(codec or "utf-8")
    except UnicodeEncodeError:
        codec = None
    if codec is None:
        wanted = "ISO_IR 192"
    if wanted:
        answer.SpecificCharacterSet = wanted
    return answer


def _fresh(dataset):
    """A Dataset with names of its own: pydicom's remember how they were encoded once, and would be sent so again."""
    from pydicom.dataset import Dataset

    fresh = Dataset()
    for element in dataset:
        if element.VR == "PN":
            fresh.add_new(element.tag, "PN", str(element.value))
        elif element.VR == "SQ":
            fresh.add_new(element.tag, "SQ", [_fresh(item) for item in element.value])
        else:
            fresh.add(element)
    return fresh
