"""The index of a real Orthanc: a database whose tables somebody else designed, filled with objects of the hospital.

Orthanc (orthanc-server.com) is started in a folder of its own, reachable from this machine only, gets some hundreds of objects over
C-STORE, each from the device that made it, and is stopped; its SQLite file is what is asked then. Its schema: PrepareDatabase.sql, and
the numbers in it: ServerEnumerations.h, both in Orthanc's source.
"""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from coursekit.errors import CourseError
from coursekit.hospital import database
from coursekit.hospital.catalogue import EXPLICIT, SOP_CLASSES, STORAGE
from coursekit.hospital.schema import Column, Table
from coursekit.standards.associations import at_once

PATIENCE = 30       # seconds for Orthanc to start, and to stop
ATTEMPTS = 3        # associations to send with, where answers get lost
MOST_EACH = 2       # objects of a series that are sent
TITLE = "ORTHANC"
TEXT_ALONE = ("SR", "PR", "KO")     # modalities whose objects have no pixels
PLACES = (r"C:\Program Files\Orthanc Server", "/usr/sbin", "/usr/local/sbin", "/opt/orthanc/bin")   # beside those of PATH

TABLES = (
    Table("Resources", "A patient, study, series or instance.", (
        Column("internalId", "INTEGER PRIMARY KEY", "Key of the row."),
        Column("resourceType", "INTEGER", "1 patient, 2 study, 3 series, 4 instance."),
        Column("publicId", "TEXT", "The identifier that Orthanc's web interface uses: a hash of the DICOM identifiers."),
        Column("parentId", "INTEGER", "internalId of the row one level up; NULL for a patient."),
    )),
    Table("MainDicomTags", "An attribute that Orthanc took out of the objects, one a row.", (
        Column("id", "INTEGER", "internalId of the resource to whose level the attribute belongs."),
        Column("tagGroup", "INTEGER", "First half of the tag, in decimal: 8 for 0008, 16 for 0010, 32 for 0020."),
        Column("tagElement", "INTEGER", "Second half of the tag, in decimal: 32 for 0020, 96 for 0060."),
        Column("value", "TEXT", "The value as the object has it; a date is YYYYMMDD."),
    )),
    Table("DicomIdentifiers", "The attributes by which resources are searched, one a row, for an index.", (
        Column("id", "INTEGER", "internalId of the resource."),
        Column("tagGroup", "INTEGER", "First half of the tag, in decimal."),
        Column("tagElement", "INTEGER", "Second half of the tag, in decimal."),
        Column("value", "TEXT", "The value in upper case, without padding, and with plain letters only."),
    )),
    Table("Metadata", "What Orthanc itself notes of a resource, one fact a row.", (
        Column("id", "INTEGER", "internalId of the resource."),
        Column("type", "INTEGER", "Of an instance: 1 index in the series, 2 reception date, 3 AE title of the sender (of a series, too), 8 "
               "how it came, 9 transfer syntax, 10 SOP class, 11 address of the sender, 12 AE title that was called, 14 where the pixels "
               "begin. Of the levels above: 7 last update."),
        Column("value", "TEXT", "The fact."),
    )),
    Table("AttachedFiles", "A file that belongs to a resource.", (
        Column("id", "INTEGER", "internalId of the resource."),
        Column("fileType", "INTEGER", "1 the DICOM object; 2 its header as JSON (older releases)."),
        Column("uuid", "TEXT", "Name of the file in the storage folder."),
        Column("compressedSize", "INTEGER", "Size in the storage folder, bytes."),
        Column("uncompressedSize", "INTEGER", "Size as received, bytes."),
        Column("compressionType", "INTEGER", "1 as received, 2 compressed with zlib."),
        Column("uncompressedMD5", "TEXT", "MD5 of the file as received."),
        Column("compressedMD5", "TEXT", "MD5 of the file in the storage folder."),
    )),
    Table("Changes", "What happened, in order: the log that clients read.", (
        Column("seq", "INTEGER PRIMARY KEY", "Number of the change."),
        Column("changeType", "INTEGER", "What happened."),
        Column("internalId", "INTEGER", "The resource."),
        Column("resourceType", "INTEGER", "Its level."),
        Column("date", "TEXT", "When, 'YYYYMMDDTHHMMSS', UTC."),
    )),
)

# The studies that are sent: what the exercises need, and of the rest enough to tell right from wrong.
CHOSEN = """
    WITH sound AS (
        SELECT study.pk, study_dt_local AS day, mods_in_study AS mods, name_norm, pid FROM study JOIN patient ON patient.pk = patient_pk
        WHERE deleted = 0 AND study.pk IN (SELECT study_pk FROM series)
    )
    SELECT pk FROM sound WHERE name_norm LIKE :family || '^%' OR pid = :pid
    UNION SELECT study_pk FROM series JOIN sound ON sound.pk = study_pk WHERE station_aet = 'CTER01' AND day < '2025-03-31'
    UNION SELECT pk FROM (SELECT pk FROM sound WHERE day >= '2025-02-25' AND day < '2025-04-04' AND mods LIKE '%PT%' ORDER BY pk LIMIT 12)
    UNION SELECT pk FROM (SELECT pk FROM sound WHERE day >= '2025-02-25' AND day < '2025-04-04' ORDER BY pk % 89, pk LIMIT 60)
    UNION SELECT pk FROM (SELECT pk FROM sound WHERE day >= '2023-12-15' AND day < '2025-01-15' AND mods LIKE '%MR%' AND mods LIKE '%PT%'
                          ORDER BY pk LIMIT 6)
    UNION SELECT pk FROM (SELECT pk FROM sound WHERE day >= '2023-12-15' AND day < '2025-01-15' AND mods LIKE '%MR%' ORDER BY pk % 89, pk
                          LIMIT 30)
    ORDER BY 1
"""


class NoOrthanc(CourseError):
    """Orthanc cannot be used here: what is in the way, and what to do."""


class Index(database.Database):
    """The index database of an Orthanc that was filled and stopped."""

    described = TABLES

    def __init__(self, path, folder):
        super().__init__(path)
        self._folder = folder       # lives as long as somebody asks its file

    def __repr__(self):
        return f"<index of Orthanc: {len(self.described)} tables; see .tables() and .columns('Resources')>"


def program():
    """The path of Orthanc. Raises NoOrthanc."""
    found = shutil.which("Orthanc", path=os.pathsep.join([os.environ.get("PATH", os.defpath), *PLACES]))
    if not found:
        raise NoOrthanc("Orthanc is not installed on this machine, or not found on the PATH: get it from orthanc-server.com (Debian, "
                        "Ubuntu: apt install orthanc), then open the lesson again.")
    return found


_indexes = {}


def index(hospital, progress=None):
    """The Index of an Orthanc that has received the objects of `hospital`. Made once in a process; takes some seconds.

    `progress`, if given, is called with (done, total, text). Raises NoOrthanc.
    """
    if hospital not in _indexes:
        _indexes[hospital] = _made_by(program(), hospital, progress)
    return _indexes[hospital]


def _made_by(orthanc, hospital, progress):
    made = objects(hospital)
    folder = tempfile.TemporaryDirectory(prefix="coursekit-orthanc-", ignore_cleanup_errors=True)
    with running(orthanc, folder.name, sorted(made)) as port:
        done, total = 0, sum(map(len, made.values()))
        for sender, datasets in made.items():
            if progress:
                progress(done, total, f"to Orthanc: {sender}")
            send(sender, datasets, port)
            done += len(datasets)
        if progress:
            progress(total, total, "done")
    path = Path(folder.name) / "index"
    if not path.is_file():
        raise NoOrthanc(f"Orthanc left no index behind: {last_words(folder.name)}")
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=DELETE")        # takes over what is in the log beside the file
    connection.close()
    return Index(path, folder)


def objects(hospital):
    """Some objects of the archive, as small as they can be: {AE title of the sender: list of FileDataset}.

    Their headers say what the tables say; the pixels are 2 x 2. A series has at most MOST_EACH of them.
    """
    import numpy as np
    from pydicom import config

    from coursekit.hospital.images import common
    case, connection = hospital.truth["case_17"], hospital.pacs.connect()
    try:
        chosen = connection.execute(CHOSEN, {"family": case["patient_name"].split("^")[0], "pid": case["patient_id"]}).fetchall()
        keys = ", ".join(str(pk) for pk, in chosen)
        rows = connection.execute(
            "SELECT pid, issuer.name, patient.name, birth_date, sex, study_uid, accession, study_dt_local, study.description, series.pk, "
            "series_uid, series_no, modality, body_part, series.description, station_aet, series.n_instances FROM study "
            "JOIN patient ON patient.pk = study.patient_pk LEFT JOIN issuer ON issuer.pk = patient.issuer_pk "
            f"JOIN series ON study_pk = study.pk WHERE study.pk IN ({keys}) ORDER BY series.pk").fetchall()
    finally:
        connection.close()
    made = {}
    for (pid, issuer, name, birth, sex, study_uid, accession, began, study_text, pk, series_uid, series_no, modality, part, text, station,
         count) in rows:
        station = station or "HV_ROUTER"
        for number in range(1, min(count, MOST_EACH) + 1):
            ds = common.dataset(STORAGE + SOP_CLASSES[modality if modality != "OT" else "secondary"],
                                (study_uid, series_uid, f"{series_uid}.{number}"), station, EXPLICIT)
            ds.SpecificCharacterSet = "ISO_IR 192"
            ds.PatientName, ds.PatientID, ds.IssuerOfPatientID = name, pid, issuer or ""
            ds.PatientBirthDate, ds.PatientSex = (birth or "").replace("-", ""), sex or ""
            ds.AccessionNumber, ds.StudyDescription, ds.StudyID = accession or "", study_text or "", ""
            day, time_of_day = began.replace("-", "").replace(":", "").split(" ")
            common.when(ds, day, time_of_day, time_of_day, time_of_day)
            ds.Modality, ds.SeriesNumber, ds.InstanceNumber, ds.SeriesDescription = modality, series_no, number, text or ""
            if part:
                with config.disable_value_validation():         # as received: some senders write what DICOM does not allow
                    ds.BodyPartExamined = part
            if modality not in TEXT_ALONE:
                ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
                common.encoding(ds, np.full((2, 2), pk % 4096, dtype=np.uint16), 12)
            made.setdefault(station, []).append(ds)
    return made


class running:
    """A context manager: an Orthanc (its program) in `folder` that takes objects from `senders` on this machine; gives its DICOM port."""

    def __init__(self, orthanc, folder, senders):
        self._orthanc = orthanc
        self._folder, self._http, self._dicom = Path(folder), free_port(), free_port()
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))     # no proxy leads to this machine
        # Only this machine is served: the web interface refuses others, and of senders the address is compared, too.
        self._settings = {
            "Name": "coursekit", "StorageDirectory": str(self._folder), "IndexDirectory": str(self._folder), "Plugins": [],
            "HttpPort": self._http, "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "DicomAet": TITLE,
            "DicomPort": self._dicom, "DicomCheckCalledAet": True, "DicomCheckModalityHost": True, "DicomAlwaysAllowEcho": False,
            "DicomAlwaysAllowStore": False, "UnknownSopClassAccepted": True, "SyncStorageArea": False, "StableAge": 1,
            "DicomModalities": {sender: [sender, "127.0.0.1", self._dicom] for sender in senders},
        }

    def __enter__(self):
        settings = self._folder / "settings.json"
        settings.write_text(json.dumps(self._settings), encoding="utf-8")
        self._log = open(self._folder / "log", "wb")
        # DCMTK, which Orthanc is built on, answers in small packets: without this setting each waits 40 ms for the one before.
        environment = os.environ | {"TCP_NODELAY": "1"}
        self._process = subprocess.Popen([self._orthanc, str(settings)], stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
                                         env=environment)
        until = time.monotonic() + PATIENCE
        while True:
            try:
                with self._opener.open(f"http://127.0.0.1:{self._http}/system", timeout=PATIENCE):
                    return self._dicom
            except OSError:
                if self._process.poll() is not None or time.monotonic() > until:
                    self.__exit__()
                    raise NoOrthanc(f"Orthanc did not start: {last_words(self._folder)}") from None
                time.sleep(0.05)

    def __exit__(self, *error):
        # Its orderly end takes four seconds and changes nothing: what it has acknowledged is in its index or in the log of that.
        self._process.kill()
        self._process.wait()
        self._log.close()


def send(sender, datasets, port):
    """Send `datasets` as the AE `sender`. Raises NoOrthanc when one is not taken."""
    left = list(datasets)
    for _ in range(ATTEMPTS):
        left = _sent_over_one_association(sender, left, port)
        if not left:
            return
    raise NoOrthanc(f"Orthanc did not answer when it was sent an object of {sender}.")


def _sent_over_one_association(sender, datasets, port):
    """Send `datasets`; those to which no answer came, and those behind, are returned: on a busy machine an answer may get lost."""
    from pynetdicom import AE, evt

    ae = AE(ae_title=sender)
    for sop_class in sorted({ds.SOPClassUID for ds in datasets}):
        ae.add_requested_context(sop_class, EXPLICIT)
    association = ae.associate("127.0.0.1", port, ae_title=TITLE, evt_handlers=[(evt.EVT_CONN_OPEN, at_once)])
    if association.is_rejected:
        raise NoOrthanc(f"Orthanc takes no objects from {sender} on this machine.")
    try:
        for place, ds in enumerate(datasets):
            status = association.send_c_store(ds).get("Status") if association.is_established else None
            if status is None:
                return datasets[place:]
            if status != 0:
                raise NoOrthanc(f"Orthanc did not take an object of {sender}: status {status:04X}H.")
        return []
    finally:
        if association.is_established:
            association.release()


def free_port():
    """A TCP port of this machine on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def last_words(folder):
    """The last line of Orthanc's log in a folder, as the end of a sentence."""
    lines = (Path(folder) / "log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f'the last line of its log is "{lines[-1]}".' if lines else "it wrote no log."
