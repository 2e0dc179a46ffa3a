"""Where an archive keeps objects: each a file that is safe on the disk before anybody is told so, and an index in SQLite.

    folder/objects/3f/2.999.5.17.1.dcm       the object as it was received, with file meta information (PS3.10)
    folder/index.sqlite                      tables study, series, instance, rejection, mpps; columns named like the attributes

The files are what counts: whatever the index lacks after a crash is read from them when the store is opened again.
"""

import hashlib
import io
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from coursekit.errors import CourseError
from coursekit.standards import matching
from coursekit.systems.database import Database

STUDY = ("StudyInstanceUID", "PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
         "AccessionNumber", "StudyID", "StudyDescription", "ReferringPhysicianName")
SERIES = ("SeriesInstanceUID", "Modality", "SeriesNumber", "SeriesDescription", "BodyPartExamined", "Laterality", "ProtocolName",
          "StationName", "SeriesDate", "SeriesTime")
IMAGE = ("SOPInstanceUID", "SOPClassUID", "InstanceNumber", "Rows", "Columns", "BitsAllocated", "NumberOfFrames", "ContentDate", "ContentTime")
COUNTED = {"STUDY": ("ModalitiesInStudy", "SOPClassesInStudy", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances"),
           "SERIES": ("NumberOfSeriesRelatedInstances",), "IMAGE": ()}
LEVELS = {"STUDY": STUDY, "SERIES": STUDY + SERIES, "IMAGE": STUDY + SERIES + IMAGE}

WRITERS = 8                             # files that are written at the same time
KEY_OBJECT_SELECTION = "1.2.840.10008.5.1.4.1.1.88.59"
REJECTIONS = {          # titles of a rejection note, PS3.16 CID 7010 and IHE RAD TF-2 4.66 (IOCM)
    "113001": "Rejected for Quality Reasons", "113037": "Rejected for Patient Safety Reasons",
    "113038": "Incorrect Modality Worklist Entry", "113039": "Data Retention Policy Expired",
}
TABLES = f"""
CREATE TABLE IF NOT EXISTS study (StudyInstanceUID TEXT PRIMARY KEY, {', '.join(f'{name} TEXT' for name in STUDY[1:])});
CREATE TABLE IF NOT EXISTS series (SeriesInstanceUID TEXT PRIMARY KEY, StudyInstanceUID TEXT NOT NULL REFERENCES study,
    {', '.join(f'{name} TEXT' for name in SERIES[1:])});
CREATE TABLE IF NOT EXISTS instance (SOPInstanceUID TEXT PRIMARY KEY, SeriesInstanceUID TEXT NOT NULL REFERENCES series,
    {', '.join(f'{name} TEXT' for name in IMAGE[1:])}, TransferSyntaxUID TEXT NOT NULL, size INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS rejection (SOPInstanceUID TEXT PRIMARY KEY, code TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS mpps (SOPInstanceUID TEXT PRIMARY KEY, status TEXT NOT NULL, attributes TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS series_study ON series(StudyInstanceUID);
CREATE INDEX IF NOT EXISTS instance_series ON instance(SeriesInstanceUID);
CREATE INDEX IF NOT EXISTS study_patient ON study(PatientID);
CREATE INDEX IF NOT EXISTS study_accession ON study(AccessionNumber);
"""


class NotStorable(CourseError):
    """An object that can't be kept: it can't be read, or lacks a UID that every object must have."""


class Misnamed(CourseError):
    """An object whose SOP Instance UID is not the one by which its sender called it."""


class Kept(NamedTuple):
    """An object that the store has: its UIDs, the transfer syntax in which it lies there, its file and the file's size."""

    study: str
    series: str
    sop: str
    sop_class: str
    transfer_syntax: str
    path: Path
    size: int


class Store:
    """The objects of an archive.

    folder : where they lie; made if it is not there
    """

    def __init__(self, folder):
        self.folder = Path(folder)
        self._objects = self.folder / "objects"
        self._incoming = self.folder / "incoming"
        for one in (self._objects, self._incoming):
            one.mkdir(parents=True, exist_ok=True)
        # While the disk takes a file, its header is read: waiting for the disk and computing cost about the same.
        self._writers = ThreadPoolExecutor(WRITERS, thread_name_prefix="store")
        self._folders, self._entered = set(), set()         # which there are, and which series the index has
        # The files are synced, one by one; the index can be made from them again, so it need not be.
        self._index = Database(self.folder, "index", TABLES, durable=False)
        self._recover()

    def close(self):
        """Close the index."""
        self._writers.shutdown()
        self._index.close()

    def _recover(self):
        """Index the files that were kept just before a crash; drop what was half written, and rows whose file is gone."""
        for path in self._incoming.iterdir():
            path.unlink()
        known = {row[0] for row in self._index.rows("SELECT SOPInstanceUID FROM instance")}
        found = set()
        for path in self._objects.glob("*/*.dcm"):
            found.add(path.stem)
            if path.stem not in known:
                content = path.read_bytes()
                self._enter(read_header(content), len(content))
        with self._index.transaction():
            self._index.run_many("DELETE FROM instance WHERE SOPInstanceUID = ?", [(sop,) for sop in known - found])

    def path(self, sop):
        """Where the file of a SOP Instance UID lies, or would lie."""
        return self._objects / hashlib.sha256(sop.encode("ascii")).hexdigest()[:2] / f"{sop}.dcm"

    def put(self, content, named=None):
        """Keep an object, given as the bytes of a DICOM file. When this returns, it is on the disk and in the index.

        named : the SOP Instance UID by which the sender calls it, if it does

        Returns "new", "same" (it was there, bit for bit) or "replaced" (another content had this SOP Instance UID).
        Raises NotStorable when it can't be read or lacks a UID, Misnamed when the sender called it by another UID, OSError
        when the disk does not take it.
        """
        part = self._incoming / f"{threading.get_ident()}.part"
        written = self._writers.submit(_write, part, content)
        try:
            texts = read_header(content)
            if named is not None and named != texts["SOPInstanceUID"]:
                raise Misnamed("the SOP Instance UID of the command is not that of the data set")
            path = self.path(texts["SOPInstanceUID"])
            # The index knows it, and is asked sooner than the disk; `_recover` has entered whatever has a file.
            before = self._index.row("SELECT 1 FROM instance WHERE SOPInstanceUID = ?", texts["SOPInstanceUID"])
            if before and path.read_bytes() == content:
                return "same"
            if path.parent not in self._folders:
                path.parent.mkdir(exist_ok=True)
                self._folders.add(path.parent)
            written.result()
            os.replace(part, path)
        finally:
            wait([written])
            part.unlink(missing_ok=True)
        _sync_folder(path.parent)
        self._enter(texts, len(content))
        return "replaced" if before else "new"

    def _enter(self, texts, size):
        """Put an object into the index, and what a rejection note says of others."""
        with self._index.transaction():
            if texts["SeriesInstanceUID"] not in self._entered:
                for table, columns in (("study", STUDY), ("series", (*SERIES, "StudyInstanceUID"))):
                    self._insert("OR IGNORE", table, columns, [texts.get(name) for name in columns])
            columns = (*IMAGE, "SeriesInstanceUID", "TransferSyntaxUID")
            self._insert("OR REPLACE", "instance", (*columns, "size"), [*(texts.get(name) for name in columns), size])
            if texts["SOPClassUID"] == KEY_OBJECT_SELECTION:
                code, rejected = rejection(self.path(texts["SOPInstanceUID"]))
                for sop in rejected:
                    self._insert("OR REPLACE", "rejection", ("SOPInstanceUID", "code"), [sop, code])
        self._entered.add(texts["SeriesInstanceUID"])

    def _insert(self, how, table, columns, values):
        self._index.run(f"INSERT {how} INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", *values)

    def kept(self, study=(), series=(), sop=(), rejected=False):
        """The objects of some studies, series or SOP Instance UIDs (each a collection; an empty one asks nothing): a list of Kept.

        Those that a rejection note withdrew are left out, unless `rejected`.
        """
        conditions, values = ["1"], []
        for column, wanted in (("study.StudyInstanceUID", study), ("series.SeriesInstanceUID", series), ("SOPInstanceUID", sop)):
            if wanted:
                conditions.append(f"{column} IN ({', '.join('?' * len(wanted))})")
                values += list(wanted)
        if not rejected:
            conditions.append("SOPInstanceUID NOT IN (SELECT SOPInstanceUID FROM rejection)")
        rows = self._index.rows(
            "SELECT study.StudyInstanceUID, series.SeriesInstanceUID, SOPInstanceUID, SOPClassUID, TransferSyntaxUID, size FROM instance "
            "JOIN series USING (SeriesInstanceUID) JOIN study ON study.StudyInstanceUID = series.StudyInstanceUID "
            f"WHERE {' AND '.join(conditions)} ORDER BY study.StudyInstanceUID, CAST(SeriesNumber AS INTEGER), CAST(InstanceNumber AS INTEGER), "
            "SOPInstanceUID", *values)
        return [Kept(study_uid, series_uid, sop_uid, sop_class, syntax, self.path(sop_uid), size)
                for study_uid, series_uid, sop_uid, sop_class, syntax, size in rows]

    def find(self, level, keys):
        """The studies, series or images (`level`: "STUDY", "SERIES", "IMAGE") that fit the Dataset `keys`.

        A list of Dataset with all attributes of the level and of those above that the index holds. What a rejection note
        withdrew is left out, and so are a series and a study that have nothing else.
        """
        asked = {element.keyword for element in keys if not element.is_empty}
        return [_dataset(row) for row in self._rows(level, keys)        # of most rows no more is made than what is compared
                if matching.matches(_dataset({name: value for name, value in row.items() if name in asked}), keys)]

    def _rows(self, level, keys):
        conditions, values = ["SOPInstanceUID NOT IN (SELECT SOPInstanceUID FROM rejection)"], []
        for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "PatientID", "AccessionNumber"):
            value = keys.get(name)
            texts = [str(one) for one in value] if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue" else [str(value or "")]
            if texts != [""] and not any(sign in text for text in texts for sign in "*?"):
                table = "series." if name == "SeriesInstanceUID" else "study." if name == "StudyInstanceUID" else ""
                conditions.append(f"{table}{name} IN ({', '.join('?' * len(texts))})")
                values += texts
        columns = [f"series.{name}" if name in ("SeriesInstanceUID",) else f"study.{name}" if name == "StudyInstanceUID" else name
                   for name in LEVELS[level]]
        counts = {
            "STUDY": ["group_concat(DISTINCT Modality)", "group_concat(DISTINCT SOPClassUID)", "count(DISTINCT series.SeriesInstanceUID)", "count(*)"],
            "SERIES": ["count(*)"], "IMAGE": []}[level]
        group = {"STUDY": "study.StudyInstanceUID", "SERIES": "series.SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}[level]
        rows = self._index.rows(
            f"SELECT {', '.join(columns + counts)} FROM instance JOIN series USING (SeriesInstanceUID) "
            "JOIN study ON study.StudyInstanceUID = series.StudyInstanceUID "
            f"WHERE {' AND '.join(conditions)} GROUP BY {group} ORDER BY StudyDate, StudyTime, study.StudyInstanceUID, "
            "CAST(SeriesNumber AS INTEGER), CAST(InstanceNumber AS INTEGER)", *values)
        names = LEVELS[level] + COUNTED[level]
        return [dict(zip(names, row)) for row in rows]

    def rejected(self):
        """The SOP Instance UIDs that rejection notes withdrew: a dict from UID to the code of the reason."""
        return dict(self._index.rows("SELECT SOPInstanceUID, code FROM rejection ORDER BY SOPInstanceUID"))

    def step(self, sop):
        """The Modality Performed Procedure Step of a SOP Instance UID: (status, Dataset), or None."""
        from pydicom.dataset import Dataset

        row = self._index.row("SELECT status, attributes FROM mpps WHERE SOPInstanceUID = ?", sop)
        return row and (row[0], Dataset.from_json(row[1]))

    def put_step(self, sop, dataset):
        """Keep a Modality Performed Procedure Step, or what has become of it."""
        with self._index.transaction():
            self._insert("OR REPLACE", "mpps", ("SOPInstanceUID", "status", "attributes"),
                         [sop, str(dataset.get("PerformedProcedureStepStatus", "")), dataset.to_json()])


def read_header(content):
    """What the index holds of the bytes of a DICOM file: a dict from keyword to text, without those that are empty. Raises NotStorable."""
    from pydicom import dcmread

    try:
        header = dcmread(io.BytesIO(content), stop_before_pixels=True)
        found = ((keyword, header[tag].value) for keyword, tag in _tags() if tag in header)
        texts = {keyword: str(value) for keyword, value in found if value is not None and str(value) != ""}
        texts["TransferSyntaxUID"] = str(header.file_meta.TransferSyntaxUID)
        uids = [texts[name] for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")]
    except Exception as problem:                                # whatever a broken object makes of pydicom
        raise NotStorable(f"The object can't be read as DICOM, or lacks one of its UIDs ({type(problem).__name__}).") from problem
    if not all(re.fullmatch(r"[0-9.]{1,64}", uid) for uid in uids):
        raise NotStorable("One of the object's UIDs is too long, or holds other signs than digits and dots (PS3.5 section 9.1).")
    return texts


@lru_cache(maxsize=1)
def _tags():
    """The keywords of the index with their tags."""
    from pydicom.datadict import tag_for_keyword
    from pydicom.tag import Tag

    return [(keyword, Tag(tag_for_keyword(keyword))) for keyword in LEVELS["IMAGE"]]


def _dataset(texts):
    """The Dataset of a row of the index."""
    from pydicom.dataset import Dataset

    dataset = Dataset()
    if not all(text.isascii() for text in texts.values() if isinstance(text, str)):
        dataset.SpecificCharacterSet = "ISO_IR 192"
    for name, value in texts.items():
        if name in ("ModalitiesInStudy", "SOPClassesInStudy"):
            value = sorted(value.split(","))
        elif name in ("Rows", "Columns", "BitsAllocated") and value is not None:
            value = int(value)
        setattr(dataset, name, value)
    return dataset


def rejection(path):
    """What a Key Object Selection withdraws: (code, list of SOP Instance UIDs); (None, []) if it is no rejection note (IHE RAD, IOCM)."""
    from pydicom import dcmread

    note = dcmread(path)
    titles = note.get("ConceptNameCodeSequence") or []
    code = str(titles[0].get("CodeValue", "")) if titles else ""
    if code not in REJECTIONS or titles[0].get("CodingSchemeDesignator") != "DCM":
        return None, []
    return code, [str(item.ReferencedSOPInstanceUID)
                  for study in note.get("CurrentRequestedProcedureEvidenceSequence") or []
                  for series in study.get("ReferencedSeriesSequence") or []
                  for item in series.get("ReferencedSOPSequence") or []]


def _write(path, content):
    """Write a file, and wait until the disk has it."""
    with open(path, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync_folder(folder):
    """Make the new name in a folder durable, where the operating system can (Windows does so itself)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
