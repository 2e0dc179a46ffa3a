"""The one definition of the PACS database: its tables, columns, indexes, and what each of them means.

The statements that create the database, ``Database.columns()`` and the data dictionary are made from it.
"""

from typing import NamedTuple

INVENTED = "All persons, identifiers, examinations and events are invented. No record describes a real person."


class Column(NamedTuple):
    """A column: its name, its SQLite type with constraints, and its meaning (unit or code set included)."""

    name: str
    type: str
    meaning: str


class Table(NamedTuple):
    """A table: its name, what one row is, and its columns."""

    name: str
    meaning: str
    columns: tuple


KEY = "INTEGER PRIMARY KEY"
UTC = "'YYYY-MM-DD HH:MM:SS', UTC"
LOCAL = "'YYYY-MM-DD HH:MM:SS', wall clock of the hospital (Europe/Amsterdam)"

TABLES = (
    Table("about", "What this database is: one fact a row.", (
        Column("key", "TEXT PRIMARY KEY", "Name of the fact."),
        Column("value", "TEXT NOT NULL", "The fact."),
    )),
    Table("issuer", "An authority that assigns patient identifiers and accession numbers.", (
        Column("pk", KEY, "Key of the row."),
        Column("name", "TEXT NOT NULL", "Namespace: HVGH, ECC (Eastcliff Clinic) or NMH (Northmere HIE)."),
        Column("oid", "TEXT NOT NULL", "Object identifier of the authority, under the example arc 2.999."),
    )),
    Table("patient", "A patient record of the archive. One person may have several: see merged_into.", (
        Column("pk", KEY, "Key of the row, in order of creation."),
        Column("pid", "TEXT NOT NULL", "Patient ID (0010,0020) as received, typing errors included."),
        Column("issuer_pk", "INTEGER REFERENCES issuer(pk)", "Authority that assigned pid."),
        Column("name", "TEXT NOT NULL", "Patient's Name (0010,0010) as received: DICOM PN, family^given^middle, "
               "with whatever case, blanks and separators the sender used."),
        Column("name_norm", "TEXT NOT NULL", "The archive's search form: FAMILY^GIVEN, upper case, without accents."),
        Column("birth_date", "TEXT", "Patient's Birth Date (0010,0030), 'YYYY-MM-DD'; NULL when not known."),
        Column("sex", "TEXT", "Patient's Sex (0010,0040): F, M, O (other); NULL when not known."),
        Column("merged_into", "INTEGER REFERENCES patient(pk)",
               "The surviving record after an ADT^A40 merge, which may itself be merged; NULL: this record lives."),
        Column("created_utc", "TEXT NOT NULL", f"Record created. {UTC}."),
        Column("updated_utc", "TEXT NOT NULL", f"Record last changed. {UTC}."),
    )),
    Table("visit", "An encounter of a patient with the hospital.", (
        Column("pk", KEY, "Key of the row, in order of admission."),
        Column("patient_pk", "INTEGER NOT NULL REFERENCES patient(pk)", "The patient record."),
        Column("visit_number", "TEXT NOT NULL", "Visit number (PV1-19), 'V' and eight digits."),
        Column("class", "TEXT NOT NULL", "Patient class (PV1-2): E emergency, I inpatient, O outpatient."),
        Column("location", "TEXT NOT NULL", "Ward or clinic."),
        Column("admitted_local", "TEXT NOT NULL", f"Arrival. {LOCAL}."),
        Column("discharged_local", "TEXT", f"Departure; NULL: still here. {LOCAL}."),
    )),
    Table("ae", "A DICOM application entity that the archive knows.", (
        Column("pk", KEY, "Key of the row."),
        Column("aet", "TEXT NOT NULL UNIQUE", "Application entity title, at most 16 characters, case-sensitive."),
        Column("host", "TEXT NOT NULL", "IPv4 address."),
        Column("port", "INTEGER NOT NULL", "TCP port."),
        Column("station_name", "TEXT", "Station Name (0008,1010)."),
        Column("modality", "TEXT", "Modality (0008,0060) that the device produces; NULL: produces no images."),
        Column("location", "TEXT", "Where it stands."),
        Column("description", "TEXT NOT NULL", "What it is."),
    )),
    Table("orders", "A requested procedure, as the RIS announced it.", (
        Column("pk", KEY, "Key of the row, in order of ordering."),
        Column("patient_pk", "INTEGER NOT NULL REFERENCES patient(pk)", "The patient record it was ordered for."),
        Column("visit_pk", "INTEGER REFERENCES visit(pk)", "The visit; NULL: referred from outside."),
        Column("placer_number", "TEXT NOT NULL", "Placer order number (ORC-2)."),
        Column("accession", "TEXT NOT NULL", "Accession number as the RIS holds it (OBR-18)."),
        Column("issuer_pk", "INTEGER NOT NULL REFERENCES issuer(pk)", "Authority that assigned the accession number."),
        Column("procedure_code", "TEXT NOT NULL", "Procedure code of the hospital's catalogue (OBR-4.1)."),
        Column("procedure_desc", "TEXT NOT NULL", "Procedure description (OBR-4.2)."),
        Column("modality", "TEXT NOT NULL", "Modality (0008,0060) it is scheduled for."),
        Column("body_part", "TEXT", "Body Part Examined (0018,0015) of the catalogue; NULL: not stated."),
        Column("priority", "TEXT NOT NULL", "STAT, URGENT or ROUTINE."),
        Column("ordered_utc", "TEXT NOT NULL", f"Order placed. {UTC}."),
        Column("scheduled_local", "TEXT NOT NULL", f"Scheduled start. {LOCAL}."),
        Column("station_aet", "TEXT NOT NULL", "AE title of the scheduled station."),
        Column("study_uid", "TEXT NOT NULL", "Study Instance UID that the RIS planned (ZDS-1)."),
        Column("status", "TEXT NOT NULL", "SCHEDULED, IN PROGRESS, COMPLETED or CANCELLED."),
    )),
    Table("study", "A study of the archive.", (
        Column("pk", KEY, "Key of the row, in order of arrival."),
        Column("patient_pk", "INTEGER NOT NULL REFERENCES patient(pk)", "The patient record it is filed under."),
        Column("study_uid", "TEXT NOT NULL", "Study Instance UID (0020,000D); unique."),
        Column("accession", "TEXT", "Accession Number (0008,0050) in the images; NULL: empty."),
        Column("issuer_pk", "INTEGER REFERENCES issuer(pk)", "Authority that assigned the accession number."),
        Column("study_dt_local", "TEXT NOT NULL", "Study Date and Time (0008,0020/0030): when the exam began, "
               "'YYYY-MM-DD HH:MM:SS' by the clock of the device."),
        Column("tz_offset", "TEXT NOT NULL", "How far the clock of the device was ahead of UTC "
               "(0008,0201): +0100 or +0200."),
        Column("description", "TEXT", "Study Description (0008,1030)."),
        Column("mods_in_study", "TEXT", "Modalities in Study (0008,0061): the modalities of its series, separated "
               "by a backslash, in no fixed order."),
        Column("n_series", "INTEGER NOT NULL", "Number of series."),
        Column("n_instances", "INTEGER NOT NULL", "Number of instances."),
        Column("size_bytes", "INTEGER NOT NULL", "Size of all instances as received, bytes."),
        Column("status", "TEXT NOT NULL", "UNVERIFIED: matched to no order, or its patient does not fit; "
               "VERIFIED: matched, to be read; READ."),
        Column("created_utc", "TEXT NOT NULL", f"The archive received the first object of the study. {UTC}."),
        Column("exam_complete_utc", "TEXT", f"The exam was reported complete (MPPS COMPLETED); NULL: never. {UTC}."),
        Column("deleted", "INTEGER NOT NULL", "1: deleted by a user and hidden from queries, the row stays; else 0."),
    )),
    Table("series", "A series of a study.", (
        Column("pk", KEY, "Key of the row."),
        Column("study_pk", "INTEGER NOT NULL", "The study. Not enforced: some series point at no study."),
        Column("series_uid", "TEXT NOT NULL", "Series Instance UID (0020,000E)."),
        Column("series_no", "INTEGER NOT NULL", "Series Number (0020,0011)."),
        Column("modality", "TEXT NOT NULL", "Modality (0008,0060), a defined term of PS3.3 C.7.3.1.1.1."),
        Column("body_part", "TEXT", "Body Part Examined (0018,0015) as received; NULL: absent."),
        Column("laterality", "TEXT", "Laterality (0020,0060): R or L; NULL: absent or not paired."),
        Column("station_aet", "TEXT", "AE title of the sender."),
        Column("description", "TEXT", "Series Description (0008,103E)."),
        Column("n_instances", "INTEGER NOT NULL", "Number of instances received."),
        Column("size_bytes", "INTEGER NOT NULL", "Size of its instances as received, bytes."),
        Column("created_utc", "TEXT NOT NULL", f"First object of the series received. {UTC}."),
    )),
    Table("instance", "An object of a series. To stay small, this copy of the database holds the objects of the "
          "studies received in the last two days, and of those still unverified.", (
        Column("pk", KEY, "Key of the row."),
        Column("series_pk", "INTEGER NOT NULL REFERENCES series(pk)", "The series."),
        Column("sop_uid", "TEXT NOT NULL", "SOP Instance UID (0008,0018)."),
        Column("sop_class_uid", "TEXT NOT NULL", "SOP Class UID (0008,0016)."),
        Column("instance_no", "INTEGER", "Instance Number (0020,0013)."),
        Column("created_utc", "TEXT NOT NULL", f"Received. {UTC}."),
        Column("rejected_code", "TEXT", "Why it was rejected (DCM): 113001 quality, 113037 safety, 113038 wrong "
               "worklist entry, 113039 retention expired; NULL: not rejected."),
    )),
    Table("file", "A stored copy of an instance; an instance may have several, or none.", (
        Column("pk", KEY, "Key of the row."),
        Column("instance_pk", "INTEGER NOT NULL REFERENCES instance(pk)", "The instance."),
        Column("filesystem_pk", "INTEGER NOT NULL REFERENCES filesystem(pk)", "Where it lies."),
        Column("path", "TEXT NOT NULL", "Path below the mount point."),
        Column("size_bytes", "INTEGER NOT NULL", "Size found on the disk, bytes."),
        Column("ts_uid", "TEXT NOT NULL", "Transfer Syntax UID (0002,0010)."),
        Column("sha256", "TEXT NOT NULL", "SHA-256 noted on arrival, 64 hexadecimal digits (invented: no file)."),
        Column("status", "TEXT NOT NULL", "OK; MISSING: the last check found no file."),
    )),
    Table("filesystem", "A file system of the archive.", (
        Column("pk", KEY, "Key of the row."),
        Column("mount", "TEXT NOT NULL", "Mount point."),
        Column("tier", "TEXT NOT NULL", "ONLINE, NEARLINE or OFFLINE."),
        Column("capacity_bytes", "INTEGER NOT NULL", "Capacity, bytes."),
    )),
)

INDEXES = (
    ("study_uid_unique", "UNIQUE", "study(study_uid)"),
    ("study_accession", "", "study(accession)"),
    ("study_patient", "", "study(patient_pk)"),
    ("study_created", "", "study(created_utc)"),
    ("series_study", "", "series(study_pk)"),
    ("patient_pid", "", "patient(pid)"),
    ("patient_name", "", "patient(name_norm)"),
    ("instance_series", "", "instance(series_pk)"),
)

BY_NAME = {table.name: table for table in TABLES}


def create_tables():
    """One CREATE TABLE statement per table: a list of str."""
    return [f"CREATE TABLE {table.name} (\n  "
            + ",\n  ".join(f"{column.name} {column.type}" for column in table.columns) + "\n)"
            for table in TABLES]


def create_indexes():
    """One CREATE INDEX statement per index: a list of str."""
    return [f"CREATE {kind} INDEX {name} ON {where}".replace("  ", " ") for name, kind, where in INDEXES]


def dictionary(used_in):
    """The part of the data dictionary that is about the database: Markdown, one section per table, one row per column.

    used_in : {table: ids of the lessons that ask it}
    """
    lines = ["# Data dictionary: the PACS database of Harbour Vale General Hospital", "",
             "<!-- Generated from the code by `coursekit author --all`; do not edit. -->", "",
             INVENTED, "",
             "`datasets/default/pacs.sqlite` is a sample of the archive: about one study in thirteen of those the "
             "hospital made between 2021-01-01 and the course clock, Monday 2025-04-07 07:30 in Amsterdam "
             "(05:30 UTC). Columns ending in `_utc` are in UTC, those ending in `_local` are wall-clock times. "
             "Dirt of the kinds that real archives hold is planted on purpose.", ""]
    for table in TABLES:
        lessons = f"Used in {', '.join(used_in[table.name])}." if used_in[table.name] else "No lesson asks it yet."
        lines += [f"## {table.name}", "", table.meaning, "", lessons, "", "| column | type | meaning |", "|---|---|---|"]
        lines += [f"| {column.name} | {column.type} | {column.meaning} |" for column in table.columns]
        lines.append("")
    lines += ["## Indexes", "", "| index | on |", "|---|---|"]
    lines += [f"| {name} | {where}{', unique' if kind else ''} |" for name, kind, where in INDEXES]
    return "\n".join(lines) + "\n"
