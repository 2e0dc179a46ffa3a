"""Exercises of `cpas_07_broken_studies`: triage, reconciliation, correction and rejection of studies that are not as they should be."""

import re
import sqlite3
from typing import NamedTuple

from coursekit.checking import Choice, Fields, File, Function, Kind, Lesson, Set, Text
from coursekit.checking import running
from coursekit.checking.kinds.base import Difference
from coursekit.checking.reading import Unclear, Unreadable, describe, plain, short
from coursekit.checking.verdict import Outcome, Verdict
from coursekit.errors import CourseError
from coursekit.hospital import bytes as artefacts
from coursekit.hospital.exceptions import SOUND, queue
from coursekit.standards import objects
from coursekit.standards.dicom import uid

lesson = Lesson(
    "cpas-07",
    title="Broken and unverified studies",
    version=1,
    minutes=120,
    objectives=[
        "tell from the evidence of archive, RIS, procedure step and HL7 what is wrong with a study, and when nothing is",
        "match a study to its order with two identifiers, and leave it alone when there is doubt",
        "correct objects and database so that the correction survives a re-send, and withdraw what was made under a wrong patient",
        "follow a patient through merges",
    ],
    covers=['Fix "broken" or "unverified" studies at the PACS'],
    needs=["cpas-01", "cpas-06"],
)

CLASSES = {
    "A": ("A1-01", "no accession number"),
    "B": ("A1-02", "mistyped patient ID"),
    "C": ("A1-03", "made under another order of the same patient"),
    "D": ("A1-04", "made under the order of another patient"),
    "E": ("A1-05", "exam split over two studies"),
    "F": ("A1-06", "one study for two orders"),
    "G": ("A1-07", "patient merged after the exam"),
    "H": ("A1-08", "patient's name written in another way"),
    "I": ("A1-09", "never reported complete"),
    "J": ("A1-10", "fewer objects than the procedure step lists"),
    "K": ("A1-11", "two objects with one SOP Instance UID"),
    "L": ("A1-12", "side contradicts the order"),
    "M": ("A1-13", "accession number cut to 16 characters"),
    "N": (SOUND, "nothing is wrong"),
}
NOW = "20250407073000+0200"


# --- inputs

class Dossier(NamedTuple):
    """A case as it lies on the desk: its number and what the systems say of it."""

    number: int
    dossier: str


@lesson.input
def cases(hospital):
    """The queue of exceptions, a list; `cases[0].dossier` is what the systems say of the first study."""
    return [Dossier(case.number, case.dossier) for case in queue(hospital)]


@lesson.input
def right(hospital):
    """What the registration desk and the RIS say of Case 17."""
    case = hospital.truth["case_17"]
    return {key: case[key] for key in ("patient_id", "patient_name", "birth_date", "accession", "planned_study_uid", "temporary_id")}


@lesson.input
def case_files(hospital):
    """Two slices of Case 17 as the archive holds them: a list of data sets."""
    import io

    import pydicom
    return [pydicom.dcmread(io.BytesIO(data)) for data in artefacts.slices(hospital.seed, (11, 12))]


@lesson.input
def examined(hospital):
    """Who was examined when the hand was filed under another patient, and by which order: a dictionary."""
    facts = _facts(hospital, "A1-04")
    name, birth, sex = hospital.pacs.rows(
        f"SELECT name, birth_date, sex FROM patient WHERE pid = '{facts['patient_id']}' ORDER BY pk")[1][0]
    return {**facts, "patient_name": name.strip(), "birth_date": birth, "sex": sex}


def _facts(hospital, kind):
    """The facts of the study of that class in the queue; where a small edition has none there, of any."""
    queued = [case.facts for case in queue(hospital) if case.kind == kind]
    return queued[0] if queued else next(one.facts for one in hospital.incidents if one.id.startswith(kind) and len(one.systems) > 1)


@lesson.input
def hand_files(hospital):
    """The objects of that study, small: a list of data sets."""
    return _hands(hospital, 8)


@lesson.input
def picture(hospital):
    """The first of these objects in full size."""
    return _hands(hospital, 1)[0]


def _hands(hospital, step):
    """The objects of the study with the hand; of the pixels every `step`-th row and column."""
    facts = lesson.input_of("examined", hospital)
    study = hospital.pacs.rows(
        "SELECT s.study_dt_local, p.pid, p.name, p.birth_date, p.sex, s.accession, s.description FROM study s "
        f"JOIN patient p ON p.pk = s.patient_pk WHERE s.pk = {facts['study_pk']}")[1][0]
    series = hospital.pacs.rows(
        "SELECT series_uid, series_no, n_instances, laterality, description FROM series WHERE modality = 'DX' AND "
        f"study_pk = {facts['study_pk']} ORDER BY series_no")[1]
    return [_hand(hospital, facts["study_uid"], study, row, number, step) for row in series for number in range(1, row[2] + 1)]


def _hand(hospital, study_uid, study, series, number, step):
    """An object of the study: the picture of a hand with the identifiers that the archive holds."""
    ds = hospital.image("dx_hand")
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study_uid, series[0]
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"{series[0]}.{number}"
    day, time = study[0].replace("-", "").replace(":", "").split()
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = day
    ds.StudyTime = ds.SeriesTime = ds.AcquisitionTime = ds.ContentTime = time
    ds.PatientID, ds.PatientName, ds.PatientBirthDate, ds.PatientSex = study[1], study[2], (study[3] or "").replace("-", ""), study[4] or ""
    ds.AccessionNumber, ds.StudyDescription = study[5], study[6] or ""
    ds.SeriesNumber, ds.InstanceNumber = series[1], 100 * (series[1] - 1) + number
    if series[3]:
        ds.ImageLaterality = series[3]
    pixels = ds.pixel_array[::step, ::step]
    ds.ImagerPixelSpacing = [spacing * step for spacing in ds.ImagerPixelSpacing]
    ds.Rows, ds.Columns = pixels.shape
    ds.PixelData = pixels.tobytes()
    return ds


@lesson.input
def note(hospital):
    """A function that makes a key object selection: note(code, meaning, objects)."""
    from coursekit.hospital.images import ko

    def make(code=None, meaning=None, objects_=None):
        from pydicom.dataset import Dataset

        if objects_ is None:
            raise CourseError("`note` takes three values: the code, its meaning, and the list of objects.")
        made = list(objects_) if isinstance(objects_, (list, tuple)) else [objects_]
        if not made or not all(isinstance(one, Dataset) for one in made):
            raise CourseError("The third value of `note` is a list of objects (data sets), such as `hand_files`.")
        known = TITLES.get(str(code).strip())
        if known is None or str(meaning).strip().casefold() != known.casefold():
            raise CourseError(f"Code {code!r} and meaning {meaning!r} do not belong together; copy both from one row of the table.")
        written = ko.selection(made, "HV_PACS", "20250407", "073000", (str(code).strip(), known), ko.person("DEMO^PACS ADMINISTRATOR"), None)
        written.SeriesDescription = "Rejection note"
        return written
    return make


TITLES = {  # CID 7010 (PS3.16)
    "113000": "Of Interest", "113001": "Rejected for Quality Reasons", "113037": "Rejected for Patient Safety Reasons",
    "113038": "Incorrect Modality Worklist Entry", "113039": "Data Retention Policy Expired",
}


def rejection_notes(contents):
    """What a rejection note says, for File: its title, whose it is, and the objects at which it points."""
    found = {}
    for name, parts in objects.attributes(contents).items():
        if parts.get("Modality (0008,0060)") != "KO":
            raise ValueError("an object is no key object selection; give what `note` returns")
        listed = sorted(value for part, value in parts.items() if part.startswith("Content Sequence") and "Referenced SOP Instance UID" in part)
        evidence = sorted(value for part, value in parts.items() if "Evidence Sequence" in part and "Referenced SOP Instance UID" in part)
        found["the note"] = {
            "its title": parts.get("Concept Name Code Sequence (0040,A043) item 1 > Code Value (0008,0100)"),
            "its list of objects": " ".join(listed), "its evidence": " ".join(evidence), "its patient": parts.get("Patient ID (0010,0020)"),
            "its study": parts.get("Study Instance UID (0020,000D)")}
    return found


@lesson.input
def corrected_copies(hospital):
    """The same images for the patient who was examined, already made: new UIDs, right patient and order."""
    import copy

    facts = lesson.input_of("examined", hospital)
    copies = []
    for number, ds in enumerate(lesson.input_of("hand_files", hospital), 1):
        new = copy.deepcopy(ds)
        new.StudyInstanceUID, new.SeriesInstanceUID = facts["planned_study_uid"], f"{facts['planned_study_uid']}.1"
        new.SOPInstanceUID = new.file_meta.MediaStorageSOPInstanceUID = f"{facts['planned_study_uid']}.1.{number}"
        new.PatientID, new.PatientName, new.AccessionNumber = facts["patient_id"], facts["patient_name"], facts["accession"]
        new.PatientBirthDate, new.PatientSex = (facts["birth_date"] or "").replace("-", ""), facts["sex"] or ""
        new.StudyDescription, new.StudyID = "XR HAND", facts["placer_number"]
        new.OriginalAttributesSequence = [_trace_of(ds, (
            "StudyDescription", "AccessionNumber", "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "SOPInstanceUID",
            "StudyInstanceUID", "SeriesInstanceUID", "StudyID"))]
        copies.append(new)
    return copies


def _trace_of(ds, keywords):
    """An item of Original Attributes Sequence with the values that `ds` has."""
    from pydicom.dataset import Dataset

    before, trace = Dataset(), Dataset()
    for keyword in keywords:
        setattr(before, keyword, ds.get(keyword, ""))
    trace.ModifiedAttributesSequence, trace.AttributeModificationDateTime = [before], NOW
    trace.ModifyingSystem, trace.SourceOfPreviousValues, trace.ReasonForTheAttributeModification = "HV_PACS", "DX_CH1", "CORRECT"
    return trace


@lesson.input
def lost(hospital):
    """The study whose procedure step lists more objects than the archive holds."""
    return _facts(hospital, "A1-10")


@lesson.input
def listed(hospital):
    """What the scanner says it made: SOP Instance UIDs of the Performed Series Sequence (0040,0340), by series."""
    step = next(step for step in hospital.mpps if step.study_uid == lesson.input_of("lost", hospital)["study_uid"] and step.series)
    return {series.series_uid: series.sop_uids for series in step.series}


@lesson.input
def archived(hospital):
    """What the archive holds of that study: SOP Instance UIDs, by series."""
    rows = hospital.pacs.rows(
        f"SELECT series_uid, n_instances FROM series WHERE study_pk = {lesson.input_of('lost', hospital)['study_pk']} ORDER BY series_no")[1]
    return {uid: [f"{uid}.{number}" for number in range(1, count + 1)] for uid, count in rows}


# --- kinds of answer of this lesson

class NumberOrNone(Text):
    """An accession number, or None."""

    takes = "an accession number, as text, or `None`"

    def read(self, given):
        """The text; None, and the word, as "None"."""
        if type(given) is list and len(given) != 1:
            raise Unclear(f"{describe(given)}: give the one member, or `None`")
        return "None" if given is None else super().read(given)


class Triage(Kind):
    """A dictionary from the number of each case to the letter of its class; a wrong case is diagnosed by itself."""

    takes = "a dictionary from the number of each case to a letter, such as {1: \"N\", 2: \"A\"}"

    def not_answered(self, given):
        """`...` as a whole, or for every case."""
        value = given[0]
        return value is Ellipsis or type(value) is dict and bool(value) and all(one is Ellipsis for one in value.values())

    def read(self, given):
        """{number: letter}. A list of letters stands for the cases in order; pairs are as good as a dictionary."""
        value = plain(given)
        if type(value) is list and value and all(type(one) is str for one in value):
            value = dict(enumerate(value, 1))
        if type(value) is list and value and all(type(one) is list and len(one) == 2 and type(one[0]) in (int, str) for one in value):
            value = dict(value)
        if type(value) is not dict or not value:
            raise Unclear(describe(given))
        found = {}
        for number, letter in value.items():
            if letter is Ellipsis:
                raise Unreadable(f"Case {short(number)} is still open.")
            if type(letter) is not str or letter.strip(" .:)").upper() not in CLASSES:
                raise Unreadable(f"For case {short(number)} a letter from A to N is asked; you gave {describe(letter) if type(letter) is not str else short(letter)}.")
            text = str(number).strip().casefold().removeprefix("case").strip()
            if not text.isdecimal():
                raise Unreadable(f"{short(number)} is no number of a case.")
            found[int(text)] = letter.strip(" .:)").upper()
        return found

    def difference(self, answer, other):
        """None when all cases have the right class."""
        for number in other:
            if number not in answer:
                return Difference(f"Case {number} is missing.", "missing")
        for number in answer:
            if number not in other:
                return Difference(f"There is no case {number}.", "extra")
        wrong = [number for number in other if answer[number] != other[number]]
        if not wrong:
            return None
        return Difference(f"{len(other) - len(wrong)} of {len(other)} are right. Look at case {wrong[0]} again: what do the lines of its "
                          f"dossier say about \"{CLASSES[answer[wrong[0]]][1]}\"?", "value")

    def judge(self, exercise, given, editions):
        """As for every kind, but the first wrong case alone decides which wrong way it is."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label != "value":
            return verdict
        answer, correct = self.read(*given), self._computed(exercise, exercise.solution, editions)
        first = next(number for number in correct if answer[number] != correct[number])
        for way, feedback in exercise.wrong_ways.items():
            wrong = self._computed(exercise, way, editions)
            if wrong[first] == answer[first] and [number for number in correct if wrong[number] != correct[number]][0] == first:
                return Verdict(Outcome.NOT_YET, f"Case {first}. {feedback}", way.__name__)
        return verdict


TABLES = {
    "patient": ("pk", "pid", "name", "birth_date", "merged_into"),
    "study": ("pk", "patient_pk", "study_uid", "accession", "issuer_pk", "status"),
    "orders": ("pk", "patient_pk", "accession", "study_uid", "status"),
}


class Desk:
    """A writable copy of what the archive holds of the last 30 days, three tables with their most important columns.

    `sql(text)` asks, `run(statements)` changes, `fresh()` throws all changes away.
    """

    def __init__(self, hospital):
        self._hospital = hospital
        self._rows = {
            "study": hospital.pacs.rows(f"SELECT {', '.join(TABLES['study'])} FROM study WHERE created_utc >= '2025-03-08'")[1],
            "orders": hospital.pacs.rows(f"SELECT {', '.join(TABLES['orders'])} FROM orders WHERE ordered_utc >= '2025-02-08'")[1],
            "patient": hospital.pacs.rows(
                f"SELECT {', '.join(TABLES['patient'])} FROM patient WHERE pk IN (SELECT patient_pk FROM study WHERE created_utc >= "
                "'2025-03-08') OR pk IN (SELECT patient_pk FROM orders WHERE ordered_utc >= '2025-02-08') OR updated_utc >= '2025-03-08'"
                f" OR pk IN ({hospital.truth['case_17']['patient_pk']}, {hospital.truth['case_17']['temporary_patient_pk']})")[1],
        }
        self.fresh()

    def __repr__(self):
        counts = ", ".join(f"{len(rows)} in {name}" for name, rows in self._rows.items())
        return f"<a copy to work on: {counts}; see .sql(text), .run(statements), .fresh()>"

    def __deepcopy__(self, memo):
        return Desk(self._hospital)

    def fresh(self):
        """Throw away all changes."""
        self._connection = self.copy()

    def copy(self):
        """A new connection to a copy without changes, in memory."""
        connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        for name, columns in TABLES.items():
            typed = [f"{column} {'INTEGER' if column.endswith(('_pk', '_into')) else 'TEXT'}" for column in columns[1:]]
            connection.execute(f"CREATE TABLE {name} (pk INTEGER PRIMARY KEY, {', '.join(typed)})")
            connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(columns))})", self._rows[name])
        return connection

    def sql(self, text):
        """Rows of a SELECT, as a DataFrame. Whatever would change something is refused."""
        import pandas

        if type(text) is not str:
            raise CourseError("`desk.sql` takes a SELECT, as text between quotes.")
        self._connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in ASKS else sqlite3.SQLITE_DENY)
        try:
            cursor = self._connection.execute(text)
            if cursor.description is None:
                raise CourseError("`desk.sql` takes a SELECT; there is none in this text.")
            return pandas.DataFrame.from_records(cursor.fetchall(), columns=[column[0] for column in cursor.description], coerce_float=True)
        except (sqlite3.Error, sqlite3.Warning) as problem:
            if "not authorized" in str(problem):
                raise CourseError("`desk.sql` only asks, and nothing was changed: give it a SELECT. What changes rows goes into "
                                  "`desk.run(...)`.") from None
            raise CourseError(f"The database does not understand this text: {_told(problem, text)}.") from None
        finally:
            self._connection.set_authorizer(None)

    def run(self, statements):
        """Carry out statements, all or none, and say how many rows each changed."""
        if type(statements) is not str:
            raise CourseError("`desk.run` takes SQL statements, as text between quotes.")
        try:
            changed = carried_out(self._connection, statements)
        except ValueError as problem:
            raise CourseError(f"{str(problem)[0].upper()}{str(problem)[1:]}.") from None
        for statement, count in changed:
            text = " ".join(statement.split())[:90]
            print(f"    -       {text}\n            (this only asks; `desk.sql` shows its rows)" if count is None
                  else f"{count:5d} row{'s' * (count != 1)}  {text}")


@lesson.input
def desk(hospital):
    """A copy of the archive's database to work on."""
    return Desk(hospital)


ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE, sqlite3.SQLITE_INSERT,
           sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_TRANSACTION}
ASKS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
MOST_STATEMENTS = 50


def _told(problem, text):
    """What the database says of `text`, in words that help."""
    told = str(problem)
    if "not authorized" in told:
        return "that statement is not allowed here: correct with UPDATE"
    if re.search("[\u2018\u2019\u201c\u201d\u201e]", text):
        return ("there are curved quotation marks in it, as word processors write them. Around a text SQL takes the straight ', the one "
                "on the keyboard")
    if 'near "order"' in told.lower():
        return "the table is called `orders`; ORDER is a word of SQL itself"
    if 'near "update"' in told.lower():
        return f"{told}. Is the semicolon before this UPDATE missing?"
    return told


def carried_out(connection, statements):
    """Carry out SQL statements in one transaction; (statement, rows changed) of each. Raises ValueError with a sentence.

    A statement that only asks has None in place of a count. BEGIN and COMMIT may stand there, a pair; what a ROLLBACK or a COMMIT that is
    missing would undo is not carried out.
    """
    found, part = [], ""
    for piece in re.split(r"(;)", re.sub(r"--[^\n]*", "", statements)):
        part += piece
        if piece == ";" and sqlite3.complete_statement(part):
            found.append(part.strip())
            part = ""
    if part.strip():
        found.append(part.strip())
    found = [one for one in found if one.strip("; \n\t")]
    if len(found) > MOST_STATEMENTS:
        raise ValueError(f"these are {len(found)} statements, more than the job needs")
    connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in ALLOWED else sqlite3.SQLITE_DENY)
    counts, statement, opened = [], "", False
    connection.execute("BEGIN")
    try:
        for statement in found:
            word = re.match(r"(begin|commit|rollback|end)\b|", statement, re.IGNORECASE)[0].lower()
            if word == "rollback":
                raise ValueError("nothing was changed: ROLLBACK undoes what stands before it. Leave it out, or end with COMMIT")
            if word:
                opened = word == "begin"
                continue
            asks = re.match(r"(select|with|values)\b", statement, re.IGNORECASE)
            count = connection.execute(statement).rowcount
            counts.append((statement, None if asks and count < 0 else max(count, 0)))
        if opened:
            raise ValueError("nothing was changed: BEGIN opens a transaction, and no COMMIT behind it closes it. A database throws away "
                             "what was not committed")
        connection.execute("COMMIT")
    except ValueError:
        connection.execute("ROLLBACK")
        raise
    except (sqlite3.Error, sqlite3.Warning) as problem:
        connection.execute("ROLLBACK")
        raise ValueError(f"statement {len(counts) + 1} was not carried out, and nothing was changed: {_told(problem, statement)}") from None
    finally:
        connection.set_authorizer(None)
    return counts


class Correction(Kind):
    """SQL statements that change a copy of the database; what they leave behind is compared row by row."""

    takes = "SQL statements, as text between quotes"

    def read(self, given):
        """The text."""
        value = plain(given)
        if type(value) is list and value and all(type(one) is str for one in value):        # a statement each
            value = ";\n".join(one.strip().rstrip(";") for one in value)
        if type(value) is not str:
            raise Unclear(describe(given))
        if not value.strip() or len(value) > 20_000:
            raise Unclear("empty text" if not value.strip() else f"a text of {len(value):,} characters")
        return value

    def judge(self, exercise, given, editions):
        """The verdict on what the statements leave behind."""
        try:
            statements = self.read(*given)
        except Unclear as unclear:
            return Verdict(Outcome.NOT_YET, unclear.sentence(self.takes), "unreadable")
        copy = lesson.input_of("desk", editions.own).copy()
        ran = running.run_all([lambda: carried_out(copy, statements)], 3)
        if ran.stopped == "error":
            text = re.sub(r"^it stopped with `ValueError`: |, in its line.*$", "", ran.error)
            return Verdict(Outcome.NOT_YET, f"{text[0].upper()}{text[1:].rstrip('.')}.", "refused")
        if ran.stopped:
            return Verdict(Outcome.NOT_YET, "The statements took more than three seconds and were stopped.", "time")
        left, correct = self._held(copy, editions.own), self._reference(exercise, exercise.solution, editions.own)
        if left == correct:
            if any(re.match(r"(delete|insert|replace)\b", statement, re.IGNORECASE) for statement, _ in ran.returned[0]):
                return Verdict(Outcome.NOT_YET, "The rows are right, but one was deleted and written anew. In a production database whatever "
                               "hangs on that row would be lost or refuse it: correct it with UPDATE.", "not_updated")
            return Verdict(Outcome.CORRECT, exercise.praise + self._quoted(statements), "correct", exercise.points)
        for way, feedback in exercise.wrong_ways.items():
            if left == self._reference(exercise, way, editions.own):
                return Verdict(Outcome.NOT_YET, feedback, way.__name__)
        for statement, _ in ran.returned[0]:
            if _and_in_set(statement):
                feedback = next(feedback for way, feedback in exercise.wrong_ways.items() if way.__name__ == "and_for_comma")
                return Verdict(Outcome.NOT_YET, feedback, "and_for_comma")
        if all(changed is None for _, changed in ran.returned[0]):
            return Verdict(Outcome.NOT_YET, "Nothing here changes a row: a SELECT only asks. What corrects a row is an UPDATE.", "asks")
        all_there = all(left[name].keys() == correct[name].keys() for name in TABLES)
        for number, (_, changed) in enumerate(ran.returned[0], 1):
            if all_there and changed == 0:
                return Verdict(Outcome.NOT_YET, f"Statement {number} changed no row: its WHERE finds none. Try the same WHERE with a "
                               "SELECT. (An empty cell is NULL, which equals nothing, not even `''`: ask `IS NULL`.)", "no_row")
        was = self._held(lesson.input_of("desk", editions.own).copy(), editions.own)
        return Verdict(Outcome.NOT_YET, self._first(left, correct, was), "value")

    def _quoted(self, statements):
        """A sentence on a text in double quotes, or an OR with a text alone, which SQLite takes and others don't; "" without any."""
        if re.search(r"\bor\s+'[^']*'\s*(;|\)|$)", statements, re.IGNORECASE):
            return (" (One thing: `OR 'text'` compares that text with nothing, and PostgreSQL refuses it. Name the column on both sides: "
                    "`pid = '...' OR pid = '...'`.)")
        words = re.findall(r'"([^"]*)"', re.sub(r"'[^']*'", "''", statements))
        names = {*TABLES, *(column for columns in TABLES.values() for column in columns)}
        if all(word.lower() in names for word in words):
            return ""
        return (" (One thing: text stands in single quotes. In double quotes stands the name of a column; SQLite lets it pass, PostgreSQL "
                "and Oracle don't.)")

    def _held(self, connection, hospital):
        """The rows of each table by their keys. The order of Case 17 may name the UID that was planned for it or that of its images."""
        held = {name: {row[0]: row for row in connection.execute(f"SELECT * FROM {name}")} for name in TABLES}
        case, place = hospital.truth["case_17"], TABLES["orders"].index("study_uid")
        held["orders"] = {key: (*row[:place], case["planned_study_uid"], *row[place + 1:]) if row[place] == case["study_uid"] else row
                          for key, row in held["orders"].items()}
        return held

    def _reference(self, exercise, function, hospital):
        def compute():
            copy = lesson.input_of("desk", hospital).copy()
            carried_out(copy, exercise.computed(function, hospital))
            return self._held(copy, hospital)
        return exercise.remembered((self, function), hospital, compute)

    def _first(self, left, correct, was):
        """A sentence about the first row that is not right; before all others about rows that should have stayed as they were."""
        for name, columns in TABLES.items():
            gone = len(correct[name].keys() - left[name].keys())
            if gone:
                return f"From the table `{name}` {gone} row{'s' * (gone != 1)} went missing. A record that was wrong is corrected, not deleted."
            if left[name].keys() - correct[name].keys():
                return f"The table `{name}` has a row more than before. Nothing new is needed."
            wrong = [(key, place) for key, row in correct[name].items() for place, value in enumerate(row)
                     if left[name][key][place] != value]
            if len({key for key, _ in wrong}) > 20:
                return f"In `{name}`, {len({key for key, _ in wrong})} rows are not as they should be. Is a WHERE missing, or does it find too much?"
            others = sorted({key for key, _ in wrong if correct[name][key] == was[name][key]})
            if others:
                more = f"{len(others)} rows of `{name}` that have" if len(others) > 1 else f"a row of `{name}` that has"
                return (f"You changed {more} nothing to do with this correction{', the first' if len(others) > 1 else ', that'} with pk "
                        f"{others[0]}. A WHERE finds too much: try it with a SELECT, and count its rows.")
            if wrong:
                key, place = wrong[0]
                if str(left[name][key][place]).casefold() == str(correct[name][key][place]).casefold():
                    return (f"In `{name}`, the row with pk {key}: `{columns[place]}` has the right word in other letters. Programs "
                            "compare upper and lower case.")
                return f"In `{name}`, the row with pk {key}: `{columns[place]}` is not right yet."
        raise AssertionError("a difference that is in no row")


def _and_in_set(statement):
    """Whether an AND stands between the columns of an UPDATE's SET, brackets and texts aside."""
    bare, longer = re.sub(r"'[^']*'", "''", statement), None
    while bare != longer:
        longer, bare = bare, re.sub(r"\([^()]*\)", "", bare)
    found = re.search(r"\bset\b(.*?)(\bwhere\b|$)", bare, re.IGNORECASE | re.DOTALL)
    return bool(found and re.search(r"\band\b", found[1], re.IGNORECASE))


class CorrectedFiles(File):
    """Corrected objects; what was changed that should stay, and what was left, is told by its name."""

    explained = {"SOP Instance UID (0008,0018)": "new_uids", "Study Time (0008,0030)": "time_too"}

    def judge(self, exercise, given, editions):
        """As for every File; where no wrong way speaks, the first wrong part tells."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label not in ("value", "missing part", "extra part"):
            return verdict
        answer, right = self.read(*given), self._computed(exercise, exercise.solution, editions)
        name, part, _ = self._first_wrong(answer, right)
        way = self.explained.get(part)
        if way:
            feedback = next(feedback for one, feedback in exercise.wrong_ways.items() if one.__name__ == way)
            return Verdict(Outcome.NOT_YET, feedback, way)
        was = objects.attributes(lesson.input_of("case_files", editions.own))[name]
        if part not in was and part not in right[name] and not part.startswith(SEQUENCE):
            return Verdict(Outcome.NOT_YET, f"In {name}: {part} was not in the object, and your plan does not add it.", "added")
        if part in CHANGED and answer[name].get(part) == was.get(part):
            return Verdict(Outcome.NOT_YET, f"In {name}: {part} is still what the scanner wrote.", "left")
        return verdict


class Note(File):
    """A rejection note; of its lists it is told what is the matter with them."""

    def read(self, given):
        """As for every File; the values for `note` are no note."""
        if type(given) in (list, tuple) and given and type(given[0]) in (str, int):
            raise Unreadable("These are values for `note`. What it makes of them is asked: `rejection = note(...)`.")
        return super().read(given)

    def _first_wrong(self, answer, other):
        found = super()._first_wrong(answer, other)
        if not found or found[1] not in ("its list of objects", "its evidence"):
            return found
        name, part, _ = found
        listed, wanted = set(answer[name][part].split()), set(other[name][part].split())
        if listed == wanted:
            return name, part, Difference("The note lists an object twice.", "value")
        if listed < wanted:
            return name, part, Difference("The note lists some of the wrong objects; the others would still be shown. It must list all "
                                          "of them.", "value")
        if listed > wanted:
            return name, part, Difference("The note lists objects that are not to be withdrawn.", "value")
        missing = "some of those that are" if listed & wanted else "none of those that are"
        return name, part, Difference(f"The note lists objects that are not to be withdrawn, and {missing}.", "value")


# --- exercises

def _triage(cases):
    return TheQueue.solution(cases)


@lesson.exercise
class TheQueue:
    """Work through the queue: which class is each case?

    Give a dictionary from the number of the case to its letter, for all cases: `{1: "N", 2: "A", ...}`. No two cases have the same class.
    """

    answer = Triage("triage")
    points = 5
    praise = "The evidence decided, not the status: many of the broken ones had been READ already, and nobody had noticed."

    def solution(cases):
        # Each case is read as you would read it. What was found can be looked at afterwards:
        # for number in found: print(number, *found[number])
        import re

        found = {}
        for case in cases:
            text = case.dossier
            patient = re.search(r"patient (\S+)", text)[1]
            name = re.search(r"patient \S+  (.*?)  born", text)[1]
            accession = re.search(r"accession (.+?)   ", text)[1]
            part = re.search(r"body part (\w*)", text)[1]
            part = "LUMBAR SPINE" if part == "LSPINE" else part
            side = re.search(r"side ([RL])", text)
            counts = re.search(r"lists (\d+) objects, (\d+) arrived", text)
            orders = re.findall(r"order (\S+)  (\S+) (.*?), born \S+, (.*?), \S+ at", text)
            own = [order for order in orders if order[0] == accession]
            others = [order for order in orders if order[0] != accession and part and part in order[3]]
            if "MRG-1 " + patient in text:
                letter, why = "G", "the HL7 line retires the patient ID of the study"
            elif "different SHA-256" in text:
                letter, why = "K", "two files with different content have one SOP Instance UID"
            elif "MPPS       DISCONTINUED" in text:
                letter, why = "E", "the step was broken off, and another study has the same order"
            elif "MPPS       IN PROGRESS" in text:
                letter, why = "I", "nobody ended the procedure step"
            elif re.search(r"MPPS.*accession \S+, [A-Z]", text):
                letter, why = "F", "the step names two accession numbers, of two orders of this patient"
            elif accession == "(none)":
                letter, why = "A", "the images have no accession number"
            elif not own:
                letter, why = "M", "no order has this accession number, but one begins with it and is longer"
            elif own[0][1] != patient:
                letter, why = "B", "the order with this accession number has nearly the same patient ID"
            elif others and own[0][3].startswith("XR") and part not in own[0][3]:
                if patient in [order[1] for order in others]:
                    letter, why = "C", "the body part is that of the patient's other order"
                else:
                    letter, why = "D", "the body part is that of another patient's order, still SCHEDULED"
            elif counts and int(counts[1]) > int(counts[2]):
                letter, why = "J", "fewer objects arrived than the step lists"
            elif side and own[0][3].endswith({"R": "left", "L": "right"}[side[1]]):
                letter, why = "L", "the images say one side, the order the other"
            elif own[0][2] != name:
                letter, why = "H", "the name is written in another way than in the order; ID and birth date agree"
            else:
                letter, why = "N", "all lines agree"
            found[case.number] = letter, why
        return {number: found[number][0] for number in found}

    def status_is_all(cases):
        return {number: letter if "status READ" not in cases[number - 1].dossier else "N" for number, letter in _triage(cases).items()}

    def name_is_patient(cases):
        return {number: {"H": "D", "B": "D"}.get(letter, letter) for number, letter in _triage(cases).items()}

    def two_orders_as_wrong(cases):
        return {number: {"F": "C"}.get(letter, letter) for number, letter in _triage(cases).items()}

    def not_complete_as_lost(cases):
        return {number: {"I": "J", "E": "J"}.get(letter, letter) for number, letter in _triage(cases).items()}

    def wrong_patient_as_order(cases):
        return {number: {"D": "C"}.get(letter, letter) for number, letter in _triage(cases).items()}

    wrong_ways = {
        status_is_all: "The status READ means that somebody reported it, not that it is right. A study under the wrong order is "
        "reported all the same. Compare archive, order and procedure step line by line.",
        name_is_patient: "The patient ID decides who it is, the name supports it. Compare the IDs digit by digit, and the birth dates: is it "
        "another person, or the same one written or typed differently?",
        two_orders_as_wrong: "The images fit both orders, and the procedure step names two accession numbers: the exams were done in one go. "
        "Nobody chose wrongly.",
        not_complete_as_lost: "Objects are lost only when the procedure step lists more than the archive has. A step that is not "
        "COMPLETED says something else: was it never ended, or broken off?",
        wrong_patient_as_order: "Whose order was it? The order with this accession number fits the patient in the archive, but not the body part. "
        "Somebody else waited for just that exam at that time, and the order is still SCHEDULED.",
    }
    hints = [
        "Read each dossier in the same order: do patient ID and name agree in ARCHIVE and RIS? Then the accession number, the body part and "
        "the side, the procedure step, and last the HL7 message.",
        "The procedure step (MPPS) tells three classes by itself: IN PROGRESS, DISCONTINUED, and a count above the archive's. Two accession numbers tell a fourth.",
        "An ID that differs in two neighbouring digits, or has a letter among them, was typed. A body part that does not fit the order "
        "means the wrong line of the worklist: look who else has an order for that body part.",
        "The class that is left over may be N: a case where all lines agree.",
    ]


@lesson.exercise
class Match:
    """Write `match(study, orders)`: it returns the **accession number** of the order that the study belongs to, or Python's `None` when nobody can be sure.

    `study` is a dictionary with `patient_id`, `name`, `birth_date`, `modality`, `station`, `started`. An order is one too, with the same entries
    and one more, `accession`. Times are minutes of the day. Accession numbers can't help here: these studies have none.

    The department's rule:

    - The **patient** is the same when at least **two of three** agree: patient ID, name, birth date. Each is compared whole: all parts of a name in
      their places, a date with year, month and day. An **empty** value, `""`, agrees with nothing, not even with another empty one.
    - The **exam** is the same when modality *and* station agree and the study started at most 60 minutes before or after the order's time.
    - Exactly **one** order must fit. With none, or with two or more, a person decides, even if one of them fits better.
    """

    answer = Function("match", result=NumberOrNone(), remark=lambda case, result: _what_fits(case, result))
    points = 4
    praise = "A study left in the queue costs a minute. A study filed under the wrong patient may cost more."

    def solution(study, orders):
        fitting = []
        for order in orders:
            agree = 0
            if study["patient_id"] != "" and study["patient_id"] == order["patient_id"]:
                agree = agree + 1
            if study["name"] != "" and study["name"] == order["name"]:
                agree = agree + 1
            if study["birth_date"] != "" and study["birth_date"] == order["birth_date"]:
                agree = agree + 1
            same_exam = study["modality"] == order["modality"] and study["station"] == order["station"]
            in_time = abs(study["started"] - order["started"]) <= 60
            if agree >= 2 and same_exam and in_time:
                fitting.append(order["accession"])
        if len(fitting) == 1:
            return fitting[0]
        return None

    def family_and_birth(study, orders):
        return _only([order for order in _of_the_exam(study, orders) if order["patient_id"] == study["patient_id"] or (
            order["birth_date"] == study["birth_date"] and order["name"].split("^")[0] == study["name"].split("^")[0])])

    def first_that_fits(study, orders):
        found = [order for order in _of_the_exam(study, orders) if _agreeing(study, order) >= 2]
        return found[0]["accession"] if found else None

    def nearest_in_time(study, orders):
        near = [order for order in orders if order["modality"] == study["modality"] and order["station"] == study["station"]]
        return min(near, key=lambda order: abs(order["started"] - study["started"]))["accession"] if near else None

    def id_alone(study, orders):
        return _only([order for order in _of_the_exam(study, orders) if order["patient_id"] == study["patient_id"]])

    def one_is_enough(study, orders):
        return _only([order for order in _of_the_exam(study, orders) if _agreeing(study, order) >= 1])

    def all_three(study, orders):
        return _only([order for order in _of_the_exam(study, orders) if _agreeing(study, order) == 3])

    def whatever_the_time(study, orders):
        return _only([order for order in orders if _agreeing(study, order) >= 2 and order["modality"] == study["modality"]
                      and order["station"] == study["station"]])

    def any_device(study, orders):
        return _only([order for order in orders if _agreeing(study, order) >= 2 and abs(order["started"] - study["started"]) <= 60])

    def modality_or_station(study, orders):
        return _only([order for order in orders if _agreeing(study, order) >= 2 and abs(order["started"] - study["started"]) <= 60
                      and (order["modality"] == study["modality"] or order["station"] == study["station"])])

    def nearest_of_several(study, orders):
        return Match.nearest_in_time(study, [order for order in _of_the_exam(study, orders) if _agreeing(study, order) >= 2])

    def first_order_alone(study, orders):
        return Match.solution(study, orders[:1])

    def just_below_an_hour(study, orders):
        return _only([order for order in _of_the_exam(study, orders) if _agreeing(study, order) >= 2
                      and abs(order["started"] - study["started"]) < 60])

    def family_name_alone(study, orders):
        family = lambda one: {**one, "name": one["name"].split("^")[0]}
        return _only([order for order in _of_the_exam(study, orders) if _agreeing(family(study), family(order)) >= 2])

    def any_modality(study, orders):
        return Match.solution(study, [{**order, "modality": study["modality"]} for order in orders])

    def any_station(study, orders):
        return Match.solution(study, [{**order, "station": study["station"]} for order in orders])

    def only_afterwards(study, orders):
        return _only([order for order in _of_the_exam(study, orders) if _agreeing(study, order) >= 2 and order["started"] <= study["started"]])

    def empty_agrees(study, orders):
        return _only([order for order in _of_the_exam(study, orders)
                      if sum(study[key] == order[key] for key in ("patient_id", "name", "birth_date")) >= 2])

    def best_of_several(study, orders):
        fitting = [order for order in _of_the_exam(study, orders) if _agreeing(study, order) >= 2]
        return _only([order for order in fitting if _agreeing(study, order) == 3]) or _only(fitting)

    def counted_on(study, orders):
        agree, fitting = 0, []
        for order in orders:
            agree += _agreeing(study, order)
            if agree >= 2 and _of_the_exam(study, [order]):
                fitting.append(order)
        return _only(fitting)

    def cases(draw):
        return _matching_cases(draw)

    wrong_ways = {
        family_and_birth: "Family name and birth date also agree for twins, and they may have exams on the same morning. The rule asks for the whole name.",
        first_that_fits: "You take the first order that fits. When a second one fits as well, nobody can be sure: return `None`.",
        nearest_in_time: "You go by the time alone. The patient before or after is nearer than you think.",
        id_alone: "You go by the ID alone. It may be mistyped, and then you miss the order; or it is somebody else's card, and then you file under the wrong patient.",
        one_is_enough: "One agreement is enough for you. Two people of one name, or with one birth date, wait in every waiting room.",
        all_three: "All three must agree for you: too strict. Names change, birth dates and IDs are mistyped; two of three are enough.",
        whatever_the_time: "You don't look at the time. The same patient may have the same exam in the morning and in the afternoon.",
        any_device: "You don't look at modality and station. The same patient may have a chest and a CT within the hour.",
        modality_or_station: "It is enough for you when modality *or* station agrees. Both must: a room may have two modalities, and a "
        "modality two rooms.",
        nearest_of_several: "When several orders fit, you take the nearest in time. With two that fit nobody can be sure: return `None`.",
        first_order_alone: "You decide while you still go through the list: whatever comes first is returned, also `None`. Is a `return` "
        "inside the loop? Decide behind it.",
        any_modality: "You don't look at the modality. One station name may stand for two: a room may do radiographs and fluoroscopy.",
        any_station: "You don't look at the station. Two rooms may make the same exam at the same time.",
        just_below_an_hour: "A start exactly 60 minutes away does not count for you. *At most 60* includes it.",
        family_name_alone: "You compare the family name alone. Twins and spouses share it; the rule asks for the whole name.",
        only_afterwards: "You take only orders whose time has come. Exams also begin early: up to 60 minutes before *or* after.",
        empty_agrees: "Two empty values agree for you. Two unknown emergency patients, both without a birth date, would become one person: ask "
        "also that the value is not `\"\"`.",
        best_of_several: "Of several orders that fit you take the one that agrees in all three. The other fits by the rule as well, and then a "
        "person decides: return `None`.",
        counted_on: "You go on counting from one order to the next. Each order's agreements count for themselves: begin with 0 inside the loop.",
    }
    hints = [
        "Go through the orders and collect the accession numbers of those that fit in all points; decide at the end.",
        "For each order count how many of the three agree: begin with 0, inside the loop, and add 1 for each pair that is equal "
        "and not empty. Then ask for at least 2, for the device, and for the time.",
        "`abs(a - b) <= 60` is the time. At the end: if the list has exactly one member, return that member, else `return None`.",
    ]


def _agreeing(study, order):
    return sum(study[key] == order[key] != "" for key in ("patient_id", "name", "birth_date"))


def _what_fits(case, result):
    """What decides in a case of `match`, in a sentence: of the order that was returned, or else of one that fits."""
    study, orders = case
    chosen = next((order for order in orders if order["accession"] == result), None)
    fitting = [order for order in orders if _of_the_exam(study, [order]) and _agreeing(study, order) >= 2]
    if result != "None" and chosen is None:
        return "That is the accession number of none of these orders."
    if chosen in fitting and len(fitting) > 1:
        return f"{len(fitting)} of these orders fit, and then a person decides."
    told = chosen or (fitting[0] if len(fitting) == 1 else None)
    if told is None:
        return None
    words = {"patient_id": "patient ID", "name": "name", "birth_date": "birth date", "modality": "modality", "station": "station"}
    same = [word for key, word in words.items() if study[key] == told[key] != ""]
    other = [word for key, word in words.items() if word not in same]
    return (f"{'That order' if chosen else 'One order fits: it'} agrees with the study in {_listed(same) or 'nothing'}"
            f"{f', not in {_listed(other)}' if other else ''}, and the study started "
            f"{abs(study['started'] - told['started'])} minutes {'before' if study['started'] < told['started'] else 'after'} its time.")


def _listed(words):
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""


def _of_the_exam(study, orders):
    return [order for order in orders if order["modality"] == study["modality"] and order["station"] == study["station"]
            and abs(order["started"] - study["started"]) <= 60]


def _only(orders):
    return orders[0]["accession"] if len(orders) == 1 else None


def _matching_cases(draw):
    """Studies and orders of a morning at two devices; each way of being wrong shows somewhere."""
    families, women, men = ("MULDER", "KRAMER", "SILVANO", "BOSMA"), ("LOTTE", "INES", "MARIA"), ("JAN", "PETER", "OMAR")

    def person(number):
        given = draw.choice(women + men)
        return {"patient_id": f"HV{draw.randrange(101000, 198999)}", "name": f"{draw.choice(families)}^{given}",
                "birth_date": f"19{draw.randrange(40, 99)}-0{number % 9 + 1}-1{number % 10}"}

    def ordered(who, started, number, station="DX_CH1", modality="DX"):
        return {**who, "modality": modality, "station": station, "started": started, "accession": f"A25040{draw.randrange(1, 7)}{number:04d}"}

    def made(order, **changed):
        study = {key: value for key, value in order.items() if key != "accession"}
        study["started"] += draw.randrange(3, 15)
        return {**study, **changed}

    found = []
    for number in range(1, 8):
        a, b, c = person(number), person(number + 10), person(number + 20)
        start = draw.randrange(480, 600)
        orders = [ordered(a, start, 3 * number), ordered(b, start + 30, 3 * number + 1), ordered(c, start + 200, 3 * number + 2)]
        typed = a["patient_id"][:-2] + a["patient_id"][-1] + a["patient_id"][-2]
        if typed == a["patient_id"]:
            typed = a["patient_id"][:-1] + "O"
        found.append((made(orders[0]), orders))                                             # all agree
        found.append((made(orders[0], patient_id=typed), orders))                           # mistyped ID
        found.append((made(orders[0], name=a["name"].split("^")[0] + "^"), orders))         # given name missing
        found.append((made(orders[0], birth_date="1900-01-01"), orders))                    # birth date not known
        found.append((made(orders[0], name="ANDERS^EVA", birth_date="1951-02-03"), orders))     # somebody else's card
        namesake = {**c, "name": a["name"]}
        found.append((made(orders[0], patient_id=typed), [ordered(namesake, start, 3 * number), orders[1]]))
        twin = {**a, "patient_id": f"HV{draw.randrange(101000, 198999)}", "name": a["name"].split("^")[0] + "^TESSA"}
        pair = [ordered(a, start, 3 * number), ordered(twin, start + 20, 3 * number + 1)]
        found.append((made(pair[0], patient_id=typed), pair))                               # twins
        found.append((made(pair[1], patient_id=typed, name=a["name"].split("^")[0] + "^T"), pair))
        twice = [ordered(a, start, 3 * number), ordered(a, start + 40, 3 * number + 1), orders[2]]
        found += [(made(twice[0], started=start + late), twice) for late in (15, 35)]       # two fit, the one or the other nearer
        later = [ordered(a, start, 3 * number), ordered(a, start + 300, 3 * number + 1)]
        found.append((made(later[0]), later))                                               # morning and afternoon
        found.append((made(orders[0], started=start - 25), orders))                         # began early
        found.append((made(ordered(person(number + 30), start, 0), name="UNKNOWN^FEMALE-77", birth_date=""), orders))   # nobody
        beside = [ordered(a, start, 3 * number), ordered(a, start + 10, 3 * number + 1, station="CR_ER1", modality="CR"),
                  ordered(a, start + 12, 3 * number + 2, station="DX_CH1", modality="RF"), orders[1]]
        found.append((made(beside[0]), beside))                                             # other devices
        found.append((made(beside[0]), [*beside[:2], beside[3]]))                           # of which one agrees in neither
        found.append((made(orders[0], station="DX_CH2"), orders))
        found.append((made(orders[1], started=start + 30 + 60), orders))                    # just in time
        found.append((made(orders[1], started=start + 30 + 61), orders))                    # just too late
        found.append((made(orders[1], started=start + 30 - 60), orders))
        found.append((made(orders[1], started=start + 30 - 61), orders))
        found.append((made(orders[0], started=start + 45), orders))
        # Agreements in part are none: of a name, of a birth date, of an ID.
        born = {**a, "birth_date": "1961-04-12"}
        for other in ({"name": a["name"] + "^T"}, {"name": "DEWIT^" + a["name"].split("^")[1]}, {"name": "^".join(a["name"].split("^")[::-1])}):
            found.append((made(ordered(a, start, 0), patient_id=typed), [ordered({**a, **other}, start, 3 * number), orders[1]]))
        longer = {**a, "name": a["name"] + "^T"}
        found.append((made(ordered(longer, start, 0), patient_id=typed), [ordered(a, start, 3 * number), orders[1]]))
        for date in ("1961-04-21", "1961-12-04", "1951-04-12"):
            other = {**born, "birth_date": date}
            found.append((made(ordered(born, start, 0), patient_id=typed), [ordered(other, start, 3 * number), orders[1]]))
        elsewhere = {**a, "patient_id": "EC" + a["patient_id"][2:], "name": "DEWIT^NOOR"}
        found.append((made(ordered(a, start, 0)), [ordered(elsewhere, start, 3 * number), orders[1]]))
        # Nor does what is empty agree; it does no harm where two others do.
        for empty, other in (("birth_date", "patient_id"), ("patient_id", "name"), ("name", "patient_id")) if number < 3 else ():
            known = {**a, empty: ""}
            found += [(made(ordered(known, start, 0)), [ordered({**known, other: c[other] + "X"}, start, 3 * number)]),
                      (made(ordered(known, start, 0)), [ordered(known, start, 3 * number)])]
        # Two that fit, one of them better; and three.
        for worse in ({"name": "DEWIT^" + a["name"].split("^")[1]}, {"birth_date": "1961-04-12"}):
            found.append((made(ordered(a, start, 0)), [ordered(a, start, 3 * number), ordered({**a, **worse}, start + 20, 3 * number + 1)]))
        found.append((made(ordered(a, start, 0)), [ordered(a, start + 20 * place, 3 * number + place) for place in range(3)]))
        room = {"station": "ROOM_1"}
        found.append((made(ordered(a, start, 0, modality="CR", **room)), [ordered(a, start, 3 * number, modality="CT", **room), orders[1]]))
    draw.shuffle(found)
    return [(study, draw.sample(orders, len(orders)) if draw.random() < 0.5 else orders) for study, orders in found]


def kept(value):
    """What a plan does with something: "keep", "change" or "new", from these words in a phrase such as "keep them" or "unchanged"."""
    words = re.findall(r"[a-z]+", str(value).casefold())
    meant = {"keep": "keep", "kept": "keep", "keeps": "keep", "unchanged": "keep", "same": "keep", "change": "change", "changed": "change",
             "new": "new"}
    found = {meant[word] for word in words if word in meant}
    if len(found) == 1 and not {"not", "no", "don", "t", "never"} & set(words):
        return found.pop()
    return str(value).strip()


def the_uid(value):
    """A UID; of a word such as "keep" it is said that the UID itself is asked."""
    if isinstance(value, str) and value.strip(" '\"").casefold() in ("keep", "new", "change", "planned"):
        raise ValueError("the UID itself is asked here, digits and dots: that of the objects, or the one that the RIS had planned")
    return uid(value)


@lesson.exercise
class PlanForCase17:
    """Case 17 has been waiting since Sunday, 30 March. Before anything is touched, write down the plan.

    - `patient_id`: the ID that the images shall have
    - `accession`: the accession number that they shall have
    - `study_uid`: the Study Instance UID that they shall have
    - `sop_uids`: `"keep"` or `"new"`
    - `study_time`: `"keep"` or `"change"` the Study Time, which the scanner's clock got wrong
    - `reason`: the code that goes into Reason for the Attribute Modification (0400,0565): `"COERCE"` or `"CORRECT"`
    """

    answer = Fields("plan", {
        "patient_id": Text("", case=True), "accession": Text("", case=True), "study_uid": Text("", reading=the_uid), "sop_uids": Text("", reading=kept),
        "study_time": Text("", reading=kept), "reason": Text("")}, remark=lambda *entry: _of_the_plan(*entry))
    points = 3
    praise = "Who and why are corrected, what the scanner measured stays: that is reconciliation."

    def solution(right, case_files):
        return {
            "patient_id": right["patient_id"],
            "accession": right["accession"],
            "study_uid": str(case_files[0].StudyInstanceUID),
            "sop_uids": "keep",
            "study_time": "keep",
            "reason": "CORRECT",
        }

    def temporary_record(right, case_files):
        return {"patient_id": right["temporary_id"], "accession": right["accession"], "study_uid": str(case_files[0].StudyInstanceUID),
                "sop_uids": "keep", "study_time": "keep", "reason": "CORRECT"}

    def left_as_typed(right, case_files):
        return {"patient_id": str(case_files[0].PatientID), "accession": right["accession"], "study_uid": str(case_files[0].StudyInstanceUID),
                "sop_uids": "keep", "study_time": "keep", "reason": "CORRECT"}

    def planned_uid(right, case_files):
        return {"patient_id": right["patient_id"], "accession": right["accession"], "study_uid": right["planned_study_uid"],
                "sop_uids": "keep", "study_time": "keep", "reason": "CORRECT"}

    def new_objects(right, case_files):
        return {"patient_id": right["patient_id"], "accession": right["accession"], "study_uid": str(case_files[0].StudyInstanceUID),
                "sop_uids": "new", "study_time": "keep", "reason": "CORRECT"}

    def time_put_right(right, case_files):
        return {"patient_id": right["patient_id"], "accession": right["accession"], "study_uid": str(case_files[0].StudyInstanceUID),
                "sop_uids": "keep", "study_time": "change", "reason": "CORRECT"}

    def coerced(right, case_files):
        return {"patient_id": right["patient_id"], "accession": right["accession"], "study_uid": str(case_files[0].StudyInstanceUID),
                "sop_uids": "keep", "study_time": "keep", "reason": "COERCE"}

    wrong_ways = {
        temporary_record: "That is the emergency record. At 07:05 on Sunday it was merged into the patient's own: the number is retired, "
        "and a study filed under it would be lost again.",
        left_as_typed: "Look at the characters one by one: between the digits stands a letter. No system has that number.",
        planned_uid: "That is the UID that the RIS had planned. The images went out under the scanner's own, copies of them are on workstations and in "
        "the VNA: under another Study Instance UID they would be a second study of the same exam.",
        new_objects: "New SOP Instance UIDs make new objects. Nothing about the images changes, only whose they are is put right; presentation states, key "
        "objects and reports that point at them by UID would point at nothing.",
        time_put_right: "The Study Time is what the scanner's clock showed, and other records quote it: it is not painted over. Which moment it was "
        "is noted with the case. (DICOM has an attribute for a clock's zone, Timezone Offset From UTC (0008,0201). These images do not have "
        "it, and this plan adds nothing.)",
        coerced: "COERCE is for values that are replaced by those of an authority, as when media of another institution are imported or "
        "records are reconciled with a master patient index: the old value was right where it came from. Here somebody typed what was "
        "right nowhere, and PS3.3 C.12.1.1.9 has the other code for incorrect values, the error of an operator's input among them.",
    }
    hints = [
        "`right` holds what registration and RIS say, `case_files` what the scanner wrote. Look at both before you decide.",
        "What identifies the *images* for other systems are their UIDs. What says *whose* they are, are patient ID, name and accession number. Which of the "
        "two is wrong here?",
        "A wrong value that a person typed is replaced by the right one: which of the two codes says so?",
    ]


def _of_the_plan(name, given, right, of):
    """A sentence about an entry of the plan that is not right, or None."""
    if name in ("patient_id", "accession") and len(given) == len(right) and sum(a != b for a, b in zip(given, right)) <= 2:
        return "Nearly; compare it with what RIS and registration say, character by character."
    if name == "reason" and given.strip().upper() not in ("COERCE", "CORRECT"):
        return "It is one of the two codes in the question, written as there."
    return None


SEQUENCE = "Original Attributes Sequence (0400,0561)"
TRACE = SEQUENCE + " item 1 > "
PREVIOUS = TRACE + "Modified Attributes Sequence (0400,0550) item 1 > "
CHANGED = ("Accession Number (0008,0050)", "Patient's Name (0010,0010)", "Patient ID (0010,0020)")


# What may stand beside previous values although it is as it was: who gave the ID (PS3.3 C.12.1.1.9), and how texts are coded.
BESIDE = ("Issuer of Patient ID", "Specific Character Set")


def corrected_objects(contents):
    """What corrected objects say, for File. Raises ValueError when the trace has several items, or lists an attribute that is as it was."""
    found = objects.attributes(contents)
    for name, parts in found.items():
        for sequence, inside in ((SEQUENCE, ""), ("Modified Attributes Sequence (0400,0550)", TRACE)):
            if any(part.startswith(f"{inside}{sequence} item 2 >") for part in parts):
                raise ValueError(f"in {name}, {sequence} has more than one item. One is asked: all three attributes were "
                                 "changed at one time, for one reason, so their previous values stand together")
        for part in [part for part in parts if part.startswith(PREVIOUS)]:
            attribute = part.removeprefix(PREVIOUS)
            if attribute not in CHANGED and not attribute.startswith(BESIDE) and parts.get(attribute) == parts[part]:
                raise ValueError(f"the trace in {name} lists {attribute} with the value that the object still has. Modified Attributes "
                                 "Sequence (0400,0550) holds what was modified or removed (PS3.3 C.12.1.1.9), and nothing that stayed")
    return found


@lesson.exercise
class CorrectedObjects:
    """Correct the two slices in `case_files`, on copies: patient ID, patient name and accession number from `right`. In each object leave a trace, as
    the worked example above does:

    - one item in Original Attributes Sequence (0400,0561), in it one item in Modified Attributes Sequence (0400,0550) with the *previous*
      values of what you change, and of nothing else;
    - Attribute Modification DateTime: the variable `now`; Modifying System: `HV_PACS`; the reason from your plan.

    Source of Previous Values (0400,0564) must be there; what stands in it is not checked, since nobody can be sure.

    `corrected` is the list of the two data sets, or of the files into which you saved them.
    """

    answer = CorrectedFiles("corrected", reading=corrected_objects, free={
        TRACE + "Source of Previous Values (0400,0564)": lambda value, ds: None}, ignore=(
            BESIDE[0], *(PREVIOUS + one for one in BESIDE)))
    points = 4
    praise = "Whoever opens these objects in ten years sees what they said before, who changed it, when and why."

    def solution(case_files, right, now):
        from copy import deepcopy
        from pydicom.dataset import Dataset

        fixed = []
        for ds in case_files:
            before = Dataset()
            before.AccessionNumber = ds.AccessionNumber
            before.PatientName = ds.PatientName
            before.PatientID = ds.PatientID
            trace = Dataset()
            trace.ModifiedAttributesSequence = [before]
            trace.AttributeModificationDateTime = now
            trace.ModifyingSystem = "HV_PACS"
            trace.SourceOfPreviousValues = "CTER01"
            trace.ReasonForTheAttributeModification = "CORRECT"
            new = deepcopy(ds)
            new.OriginalAttributesSequence = [trace]
            new.AccessionNumber = right["accession"]
            new.PatientName = right["patient_name"]
            new.PatientID = right["patient_id"]
            fixed.append(new)
        return fixed

    def untouched(case_files):
        return case_files

    def only_the_first(case_files, right, now):
        return [_corrected(case_files[0], right, now), case_files[1]]

    def without_trace(case_files, right, now):
        fixed = [_corrected(ds, right, now) for ds in case_files]
        for ds in fixed:
            del ds.OriginalAttributesSequence
        return fixed

    def trace_of_the_new(case_files, right, now):
        fixed = [_corrected(ds, right, now) for ds in case_files]
        for ds in fixed:
            before = ds.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
            before.AccessionNumber, before.PatientName, before.PatientID = ds.AccessionNumber, ds.PatientName, ds.PatientID
        return fixed

    def new_uids(case_files, right, now):
        fixed = [_corrected(ds, right, now) for ds in case_files]
        for ds in fixed:
            ds.SOPInstanceUID = ds.SOPInstanceUID + ".1"
        return fixed

    def coerced_objects(case_files, right, now):
        fixed = [_corrected(ds, right, now) for ds in case_files]
        for ds in fixed:
            ds.OriginalAttributesSequence[0].ReasonForTheAttributeModification = "COERCE"
        return fixed

    def time_too(case_files, right, now):
        fixed = [_corrected(ds, right, now) for ds in case_files]
        for ds in fixed:
            ds.StudyTime = f"{int(ds.StudyTime[:2]) + 1:02d}{ds.StudyTime[2:]}"
        return fixed

    def into_the_plan(case_files, right, now):
        fixed = [_corrected(ds, right, now) for ds in case_files]
        for ds in fixed:
            ds.StudyInstanceUID = right["planned_study_uid"]
        return fixed

    wrong_ways = {
        only_the_first: "The first object is right, the second is as it was. A patient's name stands in every object of the study; a viewer that opens the "
        "second one shows the old patient.",
        untouched: "These are the objects as the scanner wrote them: ID, name and accession number are the old ones, and there is no "
        "trace.",
        without_trace: "There is no trace: nobody could see that these objects once said something else. Original Attributes Sequence "
        "(0400,0561) keeps what they said before, with time, system and reason.",
        trace_of_the_new: "The trace holds the new values. It is there for the old ones: fill it before you change the object, or from the untouched "
        "one. (If a run without `deepcopy` has changed `case_files` itself, `case_files = cpas07.case_files` fetches them anew.)",
        new_uids: "You gave the objects new SOP Instance UIDs. A correction of who it is keeps them: reports and presentation states point at these objects.",
        coerced_objects: "The reason is another one than in your plan: these values were not replaced by those of an authority, they had been typed wrongly.",
        time_too: "You changed Study Time too. The plan says: keep. The clock's error is documented, not painted over.",
        into_the_plan: "You put in the Study Instance UID that the RIS had planned. Copies under the old one are elsewhere already: the study would be there "
        "twice. Keep the UID.",
    }
    hints = [
        "Take the worked example above and change which attributes it corrects. It must run over both objects: a `for` loop.",
        "Inside the loop, anew for each object: first the item with the previous values from `ds`, then the item of the sequence "
        "around it, then the copy with the new values.",
        "Five attributes make an item of (0400,0561): ModifiedAttributesSequence, AttributeModificationDateTime, ModifyingSystem, SourceOfPreviousValues, "
        "ReasonForTheAttributeModification.",
    ]


def _corrected(ds, right, now):
    from copy import deepcopy

    from pydicom.dataset import Dataset

    before, trace, new = Dataset(), Dataset(), deepcopy(ds)
    before.AccessionNumber, before.PatientName, before.PatientID = ds.AccessionNumber, ds.PatientName, ds.PatientID
    trace.ModifiedAttributesSequence, trace.AttributeModificationDateTime = [before], now
    trace.ModifyingSystem, trace.SourceOfPreviousValues, trace.ReasonForTheAttributeModification = "HV_PACS", "CTER01", "CORRECT"
    new.OriginalAttributesSequence = [trace]
    new.AccessionNumber, new.PatientName, new.PatientID = right["accession"], right["patient_name"], right["patient_id"]
    return new


@lesson.input
def now(hospital):
    """The time of the correction, as DICOM writes date and time (VR DT)."""
    return NOW


@lesson.exercise
class MissingObjects:
    """One study of the queue has fewer objects than the scanner lists. Which **SOP Instance UIDs** must the scanner send again?

    `listed` and `archived` are dictionaries from Series Instance UID to SOP Instance UIDs: the procedure step's and the archive's.
    """

    answer = Set("missing")
    points = 2
    praise = "With this list the technologist sends these objects and no others."

    def solution(listed, archived):
        held = []
        for series in archived:
            for uid in archived[series]:
                held.append(uid)
        missing = []
        for series in listed:
            for uid in listed[series]:
                if uid not in held:
                    missing.append(uid)
        return missing

    def the_other_way(listed, archived):
        every = {uid for uids in listed.values() for uid in uids}
        extra = [uid for uids in archived.values() for uid in uids if uid not in every]
        return extra or [next(iter(archived), "none"), "nothing"]

    def whole_series(listed, archived):
        return [uid for series, uids in listed.items() if len(uids) != len(archived.get(series, ())) for uid in uids] + ["and the rest"]

    def everything(listed, archived):
        return [uid for uids in listed.values() for uid in uids] + ["all"]

    def the_series(listed, archived):
        return [series for series, uids in listed.items() if len(uids) != len(archived.get(series, ()))]

    wrong_ways = {
        the_other_way: "You subtracted the other way round: that is what the archive has and the step does not list. Missing is what is listed and not there.",
        whole_series: "That is the whole series. Sent again, the objects that are there already come a second time; only the missing ones are needed.",
        everything: "That is all that the step lists. Most of it is in the archive.",
        the_series: "Those are Series Instance UIDs. The scanner is asked for objects.",
    }
    hints = [
        "Missing means: in the step's list, and not in the archive's.",
        "Collect all UIDs of `archived` in one list, with a loop inside a loop: `for series in archived:`, and in it `for uid in "
        "archived[series]:`. Then go through `listed` in the same way.",
        "In the second pair of loops: `if uid not in held:` and `missing.append(uid)`. Before them stands `missing = []`; the list `held` "
        "you still have to fill.",
    ]


def accession_number(value):
    """An accession number, also as "order A2503240069 (SCHEDULED)"; of a patient ID it is said that it is one."""
    text = re.sub(r"(?i)^\s*(?:the\s+)?(?:order|accession)(?:\s+number|\s+no\.)?\s*:?|\(?\bscheduled\)?\s*$", "", str(value))
    text = text.strip(" '\",").upper()
    if re.fullmatch(r"HV\d+", text):
        raise ValueError("that is a patient ID; asked is the accession number of an order")
    return text


@lesson.exercise
class WhatToDo:
    """The hand. A patient's hand was X-rayed with the worklist entry of the patient who came next. What has to happen with the images that are in the archive?

    `action` is a letter, `evidence` the **accession number of the order that is still SCHEDULED** although its exam was done.
    """

    answer = Choice("action, evidence", options={
        "A": "Change patient ID, name and accession number in the archived objects, as for Case 17.",
        "B": "Delete the study in the archive, and let the technologist send it again with the right name.",
        "C": "Withdraw the objects with a rejection note, and store corrected copies with new UIDs under the right patient and order.",
        "D": "Merge the two patients, so that both find the images.",
    }, evidence=Text("evidence", reading=accession_number))
    points = 2
    praise = "Objects that say a wrong patient are in other systems too. The note tells all of them; a silent change tells nobody."

    def solution(examined):
        return "C", examined["accession"]

    def changed_in_place(examined):
        return "A", None

    def deleted(examined):
        return "B", None

    def merged(examined):
        return "D", None

    def number_of_the_entry(examined):
        return "C", examined["study_accession"]

    wrong_ways = {
        changed_in_place: "For Case 17 the person was right and only written wrongly. Here workstations, the VNA and perhaps a report hold these UIDs "
        "for *another person*. Objects with the same UIDs and another patient would contradict them, and nothing would tell those systems to drop theirs.",
        deleted: "What is deleted in one archive stays on the workstations and in the VNA, under the wrong name; and what is sent again "
        "has the same UIDs as those copies, so that they contradict each other. A rejection note goes wherever the objects went, and "
        "says which must no longer be shown, and why.",
        merged: "Two persons would share a record, with all their reports. A merge is for two records of one person.",
        number_of_the_entry: "Your choice may stand. The evidence is the order of the patient who *was* examined: nobody has begun it as far as the RIS knows.",
    }
    hints = [
        "Read the dossier of that case again: whose is the order with the accession number in the images, and who else was scheduled?",
        "Ask of each option: what would a workstation that holds a copy of these objects do?",
        "IHE's Imaging Object Change Management has a document for it: a key object selection whose title is the reason.",
    ]


@lesson.exercise
class RejectionNote:
    """Make the rejection note. `note(code, meaning, objects)` builds a key object selection that points at a list of objects; its title is the code and its meaning.

    `hand_files` are the objects in the archive, `corrected_copies` the new ones. Codes of scheme DCM:

    | code | meaning |
    | --- | --- |
    | 113000 | Of Interest |
    | 113001 | Rejected for Quality Reasons |
    | 113037 | Rejected for Patient Safety Reasons |
    | 113038 | Incorrect Modality Worklist Entry |
    | 113039 | Data Retention Policy Expired |

    `rejection` is what `note` returns, or the file into which you saved it.
    """

    answer = Note("rejection", reading=rejection_notes)
    points = 2
    praise = "An archive that knows the profile hides these objects from everybody who asks, and keeps them for those who must look."

    def solution(note, hand_files):
        return note("113038", "Incorrect Modality Worklist Entry", hand_files)

    def for_quality(note, hand_files):
        return note("113001", "Rejected for Quality Reasons", hand_files)

    def for_safety(note, hand_files):
        return note("113037", "Rejected for Patient Safety Reasons", hand_files)

    def of_interest(note, hand_files):
        return note("113000", "Of Interest", hand_files)

    def out_of_date(note, hand_files):
        return note("113039", "Data Retention Policy Expired", hand_files)

    def both(note, hand_files, corrected_copies):
        return note("113038", "Incorrect Modality Worklist Entry", hand_files + corrected_copies)

    def the_copies(note, corrected_copies):
        return note("113038", "Incorrect Modality Worklist Entry", corrected_copies)

    wrong_ways = {
        for_quality: "That is for images that cannot be read, as in reject analysis. These are good images, of somebody else.",
        for_safety: "Images under a wrong name may well endanger somebody; but another of these meanings says exactly what happened.",
        of_interest: "That would recommend the images to the reader. It withdraws nothing.",
        out_of_date: "That is for objects whose time has run out by law. These are some weeks old.",
        both: "The note lists the wrong objects and the corrected copies too. The copies are what shall be seen from now on.",
        the_copies: "The note points at the corrected copies: they would vanish, and the wrong ones stay. It must list what is to be withdrawn.",
    }
    hints = [
        "What went wrong, in words? One of the five meanings says it.",
        "The list of objects is the list of those that nobody shall see any more.",
        '`note("...", "...", hand_files)`, with the code as text.',
    ]


@lesson.exercise
class LivingRecord:
    """Write `living(patient_id, merges)`: under which ID is this patient found today?

    `merges` is a list of dictionaries, one for each ADT^A40 in any order: `time`, `prior` (MRG-1, the retired number) and `surviving` (PID-3). Records
    may be merged again and again: a chain has any length. A number that was never merged stays as it is. (Here no merge was undone, and no
    number given out a second time; where that happens, `time` has to be heeded too.)
    """

    answer = Function("living", result=Text(case=True))
    points = 3
    praise = "PID survives, MRG retires, and the chain is followed to its end."

    def solution(patient_id, merges):
        steps = {}
        for merge in merges:
            steps[merge["prior"]] = merge["surviving"]
        current = patient_id
        while current in steps:
            current = steps[current]
        return current

    def one_step(patient_id, merges):
        for merge in merges:
            if merge["prior"] == patient_id:
                return merge["surviving"]
        return patient_id

    def two_steps(patient_id, merges):
        return LivingRecord.one_step(LivingRecord.one_step(patient_id, merges), merges)

    def reversed_merge(patient_id, merges):
        current, seen = patient_id, set()
        while current not in seen:
            seen.add(current)
            current = next((merge["prior"] for merge in merges if merge["surviving"] == current), current)
        return current

    def in_order_of_the_list(patient_id, merges):
        for merge in merges:
            if merge["prior"] == patient_id:
                patient_id = merge["surviving"]
        return patient_id

    def once_by_time(patient_id, merges):
        for merge in sorted(merges, key=lambda merge: merge["time"]):
            if merge["prior"] == patient_id:
                patient_id = merge["surviving"]
        return patient_id

    def the_last_message(patient_id, merges):
        return max(merges, key=lambda merge: merge["time"])["surviving"] if merges else patient_id

    def cases(draw):
        return _merge_cases(draw)

    wrong_ways = {
        one_step: "You follow one merge. The surviving record may have been merged later itself: go on until no message retires the number.",
        two_steps: "You follow two merges, and stop there. A chain may be longer: go on, with `while`, until no message retires the number.",
        reversed_merge: "You go the wrong way: MRG-1 is the number that retires, PID-3 the one that survives.",
        in_order_of_the_list: "You go through the list once. The messages come in any order, so that a later link of the chain may stand before an earlier one: look "
        "again from the beginning after each step.",
        once_by_time: "You sort by time and go through once. Somebody may merge into a number that had been retired *earlier*: after each step look at all messages again.",
        the_last_message: "You took the survivor of the last message, whoever it was about.",
    }
    hints = [
        "Look for a message whose `prior` is the number you have; its `surviving` is the number you go on with.",
        "First make a dictionary of the list, as in the example above: `steps = {}`, and for each merge `steps[merge[\"prior\"]] = "
        "merge[\"surviving\"]`.",
        "Then follow the steps: `while current in steps:`. `current` begins as `patient_id`; what it becomes in each round, the example "
        "shows.",
    ]


def _merge_cases(draw):
    found = []
    for _ in range(6):
        numbers = [f"HV{number}" for number in draw.sample(range(101000, 198999), 8)]
        temporary = [f"HVTMP{number:04d}" for number in draw.sample(range(1, 9999), 3)]
        chain = [temporary[0], numbers[0], numbers[1], numbers[2]]
        merges = [{"time": f"2025-03-{10 + place:02d} 0{place}:15", "prior": a, "surviving": b} for place, (a, b) in enumerate(zip(chain, chain[1:]))]
        merges += [{"time": "2025-03-28 11:00", "prior": temporary[1], "surviving": numbers[3]},
                   {"time": "2025-03-29 12:00", "prior": numbers[4], "surviving": numbers[5]}]
        backwards = merges[::-1]
        mixed = draw.sample(merges, len(merges))
        # Merged into a number that had been retired before, and a long chain.
        late = [{"time": "2025-03-05 09:00", "prior": numbers[6], "surviving": numbers[7]},
                {"time": "2025-03-06 10:00", "prior": temporary[2], "surviving": numbers[6]}]
        many = [f"HV{number}" for number in draw.sample(range(201000, 298999), 24)]
        long = [{"time": f"2025-03-{place + 1:02d} 08:00", "prior": a, "surviving": b} for place, (a, b) in enumerate(zip(many, many[1:]))]
        found += [(temporary[2], late), (temporary[2], late[::-1]), (many[0], long[::-1]), (many[0], long)]
        for patient in (chain[0], chain[1], chain[3], temporary[1], numbers[3]):
            found += [(patient, merges), (patient, backwards), (patient, mixed)]
        found.append((numbers[5], []))
    return found


@lesson.exercise
class TheDatabase:
    """The objects of Case 17 are corrected; the database still says what was typed. Write the SQL **statements**, UPDATEs, that put it
    right, all in one text, separated by semicolons.

    1. The study belongs to the patient's own record; it has the accession number of the order, `issuer_pk` 1 (Harbour Vale) and the status `VERIFIED`.
    2. Its order, in the table `orders`, moves to the patient's own record too, and its status is `COMPLETED`.
    3. The emergency record is merged: its `merged_into` is the `pk` of the patient's own record.

    The mistyped record stays as it is: it has no study any more, and the nightly job removes such records. Whether the order's
    `study_uid` stays the planned one or becomes that of the images is up to you. `desk` is a copy to try on: `desk.sql(...)`
    asks, `desk.run(...)` changes, `desk.fresh()` throws the changes away. A text is carried out whole or not at all. The check uses a copy of
    its own.
    """

    answer = Correction("statements")
    points = 4
    praise = "Objects and database agree, the order is closed, and the merge that the archive had refused is made: the case is done."

    def solution(right, case_files):
        return f"""
            UPDATE study
            SET patient_pk = (SELECT pk FROM patient WHERE pid = '{right["patient_id"]}'),
                accession = '{right["accession"]}', issuer_pk = 1, status = 'VERIFIED'
            WHERE study_uid = '{case_files[0].StudyInstanceUID}';

            UPDATE orders
            SET patient_pk = (SELECT pk FROM patient WHERE pid = '{right["patient_id"]}'), status = 'COMPLETED'
            WHERE accession = '{right["accession"]}';

            UPDATE patient
            SET merged_into = (SELECT pk FROM patient WHERE pid = '{right["patient_id"]}')
            WHERE pid = '{right["temporary_id"]}';
        """

    def no_where(right, case_files):
        return f"""
            UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = '{right["patient_id"]}'),
                accession = '{right["accession"]}', issuer_pk = 1, status = 'VERIFIED';
            UPDATE orders SET patient_pk = (SELECT min(pk) FROM patient WHERE pid = '{right["patient_id"]}'), status = 'COMPLETED'
            WHERE accession = '{right["accession"]}';
            UPDATE patient SET merged_into = (SELECT pk FROM patient WHERE pid = '{right["patient_id"]}') WHERE pid = '{right["temporary_id"]}';
        """

    def patient_renamed(right, case_files):
        return f"""
            UPDATE patient SET pid = '{right["patient_id"]}', name = '{right["patient_name"]}' WHERE pid = '{case_files[0].PatientID}';
            UPDATE study SET accession = '{right["accession"]}', issuer_pk = 1, status = 'VERIFIED'
            WHERE study_uid = '{case_files[0].StudyInstanceUID}';
            UPDATE orders SET patient_pk = (SELECT min(pk) FROM patient WHERE pid = '{right["patient_id"]}'), status = 'COMPLETED'
            WHERE accession = '{right["accession"]}';
            UPDATE patient SET merged_into = (SELECT min(pk) FROM patient WHERE pid = '{right["patient_id"]}') WHERE pid = '{right["temporary_id"]}';
        """

    def merged_backwards(right, case_files):
        return f"""
            UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = '{right["patient_id"]}'),
                accession = '{right["accession"]}', issuer_pk = 1, status = 'VERIFIED' WHERE study_uid = '{case_files[0].StudyInstanceUID}';
            UPDATE orders SET patient_pk = (SELECT min(pk) FROM patient WHERE pid = '{right["patient_id"]}'), status = 'COMPLETED'
            WHERE accession = '{right["accession"]}';
            UPDATE patient SET merged_into = (SELECT pk FROM patient WHERE pid = '{right["temporary_id"]}') WHERE pid = '{right["patient_id"]}';
        """

    def planned_uid(right, case_files):
        return f"""
            UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = '{right["patient_id"]}'), study_uid = '{right["planned_study_uid"]}',
                accession = '{right["accession"]}', issuer_pk = 1, status = 'VERIFIED' WHERE study_uid = '{case_files[0].StudyInstanceUID}';
            UPDATE orders SET patient_pk = (SELECT min(pk) FROM patient WHERE pid = '{right["patient_id"]}'), status = 'COMPLETED'
            WHERE accession = '{right["accession"]}';
            UPDATE patient SET merged_into = (SELECT pk FROM patient WHERE pid = '{right["patient_id"]}') WHERE pid = '{right["temporary_id"]}';
        """

    def typed_one_too(right, case_files):
        return TheDatabase.solution(right, case_files) + f"""
            UPDATE patient SET merged_into = (SELECT pk FROM patient WHERE pid = '{right["patient_id"]}')
            WHERE pid = '{case_files[0].PatientID}';
        """

    def study_alone(right, case_files):
        return f"""
            UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = '{right["patient_id"]}'),
                accession = '{right["accession"]}', issuer_pk = 1, status = 'VERIFIED' WHERE study_uid = '{case_files[0].StudyInstanceUID}';
        """

    def and_for_comma(right, case_files):
        return f"""
            UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = '{right["patient_id"]}')
                AND accession = '{right["accession"]}' AND issuer_pk = 1 AND status = 'VERIFIED' WHERE study_uid = '{case_files[0].StudyInstanceUID}';
            UPDATE orders SET patient_pk = (SELECT min(pk) FROM patient WHERE pid = '{right["patient_id"]}') AND status = 'COMPLETED'
            WHERE accession = '{right["accession"]}';
            UPDATE patient SET merged_into = (SELECT pk FROM patient WHERE pid = '{right["patient_id"]}') WHERE pid = '{right["temporary_id"]}';
        """

    def order_left_behind(right, case_files):
        return f"""
            UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = '{right["patient_id"]}'),
                accession = '{right["accession"]}', issuer_pk = 1, status = 'VERIFIED' WHERE study_uid = '{case_files[0].StudyInstanceUID}';
            UPDATE orders SET status = 'COMPLETED' WHERE accession = '{right["accession"]}';
            UPDATE patient SET merged_into = (SELECT pk FROM patient WHERE pid = '{right["patient_id"]}') WHERE pid = '{right["temporary_id"]}';
        """

    def number_for_key(right, case_files):
        return f"""
            UPDATE study SET patient_pk = '{right["patient_id"]}',
                accession = '{right["accession"]}', issuer_pk = 1, status = 'VERIFIED' WHERE study_uid = '{case_files[0].StudyInstanceUID}';
            UPDATE orders SET patient_pk = (SELECT min(pk) FROM patient WHERE pid = '{right["patient_id"]}'), status = 'COMPLETED'
            WHERE accession = '{right["accession"]}';
            UPDATE patient SET merged_into = '{right["patient_id"]}' WHERE pid = '{right["temporary_id"]}';
        """

    wrong_ways = {
        no_where: "Every study of the last month now belongs to one patient. An UPDATE without WHERE changes all rows: that is the accident for which one "
        "tries on a copy, and looks at the count of rows, first.",
        patient_renamed: "You renamed the mistyped record, so that there are two records with one patient ID, and the study hangs on the wrong one. Move the "
        "*study* to the record that exists.",
        merged_backwards: "You merged the patient's own record into the emergency record. All her studies would be found under a number that is retired: "
        "PID survives, MRG retires.",
        planned_uid: "You overwrote the Study Instance UID. The objects keep theirs; now the database and its own files disagree.",
        typed_one_too: "You merged the mistyped record as well. Nobody sent a merge for it: it never was a record of the hospital's, and "
        "the text asks to leave it.",
        study_alone: "The study is right. The order still waits for a patient who has been examined, and the emergency record still looks like a person.",
        and_for_comma: "Between the columns of a SET stands a comma. AND joins what stands around it to one condition; whether it is "
        "true, 1 or 0, goes into the first column, and the others stay as they were.",
        order_left_behind: "The order is closed, but it still hangs on the emergency record. An order follows its patient into the surviving record.",
        number_for_key: "A column that ends in `_pk` holds the key of a row, a number that the database gave, and not the patient ID. Look the key up in `patient`.",
    }
    hints = [
        "Three UPDATE statements, one for each table, each with a WHERE that finds exactly one row. Try each WHERE with a SELECT first.",
        "The key of the patient's record: `(SELECT pk FROM patient WHERE pid = '...')` can stand where a value is needed.",
        "The study is found by its Study Instance UID, the order by its accession number, the emergency record by its number in `right`.",
    ]
