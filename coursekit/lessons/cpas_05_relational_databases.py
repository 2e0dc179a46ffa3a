"""Relational databases: the exercises of lesson cpas-05, on the tables of the PACS and on copies that may be written to."""

import copy
import random
import re
import sqlite3
import tempfile
from functools import cached_property, partial
from pathlib import Path

from coursekit.checking import Choice, Function, Kind, Lesson, Number, Outcome, Query, Set, Table, Text, Verdict, running
from coursekit.checking.kinds.base import Difference
from coursekit.checking.kinds.function import SECONDS
from coursekit.checking.reading import Unreadable, is_a, plain, short
from coursekit.hospital import names, schema
from coursekit.hospital.draws import Draws

lesson = Lesson(
    "cpas-05",
    title="Relational databases",
    version=1,
    minutes=90,
    objectives=[
        "follow the keys of the PACS database from table to table, and say what its rules let pass and what they refuse",
        "change related rows together or not at all, and tell how one user's correction overwrites another's",
        "choose an index, say what a restored backup does not know, and write the check that finds the breaks",
    ],
    covers=["relational databases"],
    needs=["start"],
)


class Said(str):
    """A sentence of the database, shown without quotes."""

    __repr__ = str.__str__


class Session:
    """A connection to a database that may be written to.

    `sql(text)` gives a DataFrame for a SELECT, and for everything else a sentence: how many rows were changed, or why the database refused.
    """

    def __init__(self, connection, folder=None):
        self._connection = connection
        self._folder = folder  # the folder of its file, which lives as long as somebody holds it

    def __repr__(self):
        return "<a database of your own; ask and change it with .sql(\"...\")>"

    def sql(self, text):
        """Carry out one statement."""
        try:
            cursor = self._connection.execute(text)
            rows = cursor.fetchall()
        except (sqlite3.Error, sqlite3.Warning, ValueError, TypeError) as error:
            return Said(f"Refused: {error}")
        if cursor.description is None:
            count = cursor.rowcount
            return Said("Done." if count < 0 else f"Done: {count} row{'s' * (count != 1)} changed.")
        import pandas

        pandas.set_option("display.max_colwidth", 200)
        return pandas.DataFrame(rows, columns=[column[0] for column in cursor.description])


class OwnCopy(Session):
    """The learner's own copy of the PACS database, in memory: what is done to it reaches nobody else.

    Foreign keys are enforced, as the archive's vendor has it.
    """

    def __init__(self, hospital):
        super().__init__(_copy_of(hospital))
        self._hospital = hospital

    def __deepcopy__(self, memo):
        return OwnCopy(self._hospital)  # a notebook's cell that fetches it again begins anew

    def fresh(self):
        """Make it again as the archive's is."""
        self._connection = _copy_of(self._hospital)

    def steps(self, text):
        """About how many steps the database takes to carry out a SELECT, in hundreds: a measure that no other program disturbs."""
        count = 0

        def step():
            nonlocal count
            count += 1

        self._connection.set_progress_handler(step, 100)
        try:
            self._connection.execute(text).fetchall()
        finally:
            self._connection.set_progress_handler(None, 0)
        return count


class TryOut:
    """Carries out one INSERT, UPDATE or DELETE on a copy of the database, says what came of it, and takes it back at once."""

    def __init__(self, hospital):
        self._hospital = hospital

    def __deepcopy__(self, memo):
        return self

    @cached_property
    def _session(self):
        return Session(_copy_of(self._hospital))

    def __call__(self, text):
        if not isinstance(text, str) or not re.match(r"\s*(insert|update|delete)\b", text, re.IGNORECASE):
            return Said("Refused: this takes an INSERT, UPDATE or DELETE, as text between quotes")
        self._session.sql("BEGIN")
        said = self._session.sql(text)
        self._session.sql("ROLLBACK")
        return said


class TwoSessions:
    """Two connections to one small database in a file, as two programs have them; neither waits for the other."""

    def __init__(self, rows):
        self._rows = rows
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._connections = [_connect(Path(self._folder.name) / "practice.sqlite", timeout=0) for _ in range(2)]
        first = self._connections[0]
        first.execute("CREATE TABLE study (pk INTEGER PRIMARY KEY, accession TEXT, description TEXT, version INTEGER NOT NULL)")
        first.executemany("INSERT INTO study (accession, description, version) VALUES (?, ?, 1)", rows)

    def __deepcopy__(self, memo):
        return TwoSessions(self._rows)

    def __iter__(self):
        return iter([Session(connection, self._folder) for connection in self._connections])


class PracticeDatabase(sqlite3.Connection):
    """A small database with the tables patient, study and correction; a copy of it is a database of its own."""

    def __deepcopy__(self, memo):
        other = _connect(factory=PracticeDatabase)
        self.backup(other)
        other.execute("PRAGMA foreign_keys=ON")
        return other


def _connect(path=":memory:", **more):
    """A connection in which nothing is a transaction but what BEGIN says."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, **more)


def _copy_of(hospital):
    connection, source = _connect(), hospital.pacs.connect()
    source.backup(connection)
    source.close()
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


PRACTICE_TABLES = {
    "patient": ("pk INTEGER PRIMARY KEY", "pid TEXT NOT NULL UNIQUE", "name TEXT NOT NULL"),
    "study": ("pk INTEGER PRIMARY KEY", "patient_pk INTEGER NOT NULL REFERENCES patient(pk)", "study_uid TEXT NOT NULL UNIQUE",
              "description TEXT"),
    "correction": ("pk INTEGER PRIMARY KEY", "study_pk INTEGER NOT NULL UNIQUE REFERENCES study(pk)",
                   "was_patient_pk INTEGER NOT NULL REFERENCES patient(pk)"),
}


def _practice(patients, studies, corrected):
    """A PracticeDatabase.

    patients  : (pid, name)
    studies   : (place of the patient in `patients`, UID, description)
    corrected : places in `studies` of those that have a correction already
    """
    db = _connect(factory=PracticeDatabase)
    db.execute("PRAGMA foreign_keys=ON")
    for table, columns in PRACTICE_TABLES.items():
        db.execute(f"CREATE TABLE {table} (\n  " + ",\n  ".join(columns) + "\n)")
    db.executemany("INSERT INTO patient (pid, name) VALUES (?, ?)", patients)
    db.executemany("INSERT INTO study (patient_pk, study_uid, description) VALUES (?, ?, ?)",
                   [(place + 1, uid, description) for place, uid, description in studies])
    for place in corrected:
        db.execute("INSERT INTO correction (study_pk, was_patient_pk) SELECT pk, patient_pk % (SELECT count(*) FROM patient) + 1 "
                   "FROM study WHERE pk = ?", (place + 1,))
    return db


class ChangesTogether(Function):
    """A function that changes a PracticeDatabase: judged by what the database holds afterwards, not by what the function returns."""

    def __init__(self, variables):
        super().__init__(variables, result=Contents())

    def judge(self, exercise, given, editions):
        """The verdict on the function."""
        (function,) = given
        if not callable(function) or is_a(function, str):
            return super().judge(exercise, given, editions)
        cases = exercise.remembered(
            "cases", editions.own, lambda: exercise.cases(random.Random(f"{exercise.name} {editions.own.seed}"))
        )
        copies = [copy.deepcopy(case) for case in cases]
        ran = running.run_all([partial(function, *case) for case in copies], SECONDS)
        if ran.stopped:
            return self._stopped(ran, cases)
        left = [_contents(case[0]) for case in copies]
        differences = [self.result.difference(*pair) for pair in zip(left, self._results(exercise, exercise.solution, cases, editions.own))]
        if not any(differences):
            return Verdict(Outcome.CORRECT, exercise.praise, "correct", exercise.points)
        for way, feedback in exercise.wrong_ways.items():
            if left == self._results(exercise, way, cases, editions.own):
                return Verdict(Outcome.NOT_YET, feedback, way.__name__)
        first = next(place for place, difference in enumerate(differences) if difference)
        failed = sum(difference is not None for difference in differences)
        fits = "none" if failed == len(cases) else f"{len(cases) - failed} of {len(cases)}"
        message = f"It is right in {fits} of the cases tried. After {self._as_written(cases[first])}: {differences[first].message}"
        return Verdict(Outcome.NOT_YET, message, differences[first].label)

    def _stopped(self, ran, cases):
        verdict = super()._stopped(ran, cases)
        if "IntegrityError" not in ran.error:
            return verdict
        message = (f"{verdict.message} The database refused a statement. Catch that with `except sqlite3.Error:`, and take back there what "
                   "was done before.")
        return Verdict(verdict.outcome, message, "refused")

    def _results(self, exercise, function, cases, hospital):
        def compute():
            copies = [copy.deepcopy(case) for case in cases]
            for case in copies:
                function(*case)
            return [_contents(case[0]) for case in copies]

        return exercise.remembered((self, function), hospital, compute)

    def _as_written(self, case):
        return f"`{self.variables[0]}(db, {case[1]!r}, {case[2]!r})`"


class Contents(Kind):
    """What a PracticeDatabase holds, as `_contents` gives it."""

    takes = "nothing: what counts is the database afterwards"

    def __init__(self):
        super().__init__("contents")

    def read(self, given):
        """As it is."""
        return given

    def difference(self, answer, other):
        """None when both databases hold the same, and no transaction is open."""
        if answer == other:
            return None
        if answer is None:
            return Difference("Afterwards the database is closed, or one of its tables is gone.", "gone")
        if answer["open"] and not other["open"]:
            return Difference("A transaction is still open: each way through the function must end in COMMIT or ROLLBACK.", "open")
        for table, what in (("study", "under which patients the studies are filed"), ("correction", "the table `correction`")):
            if answer[table] != other[table]:
                return Difference(f"Afterwards {what} is not what it should be.", table)
        return Difference("It changed something else as well.", "more")


def _contents(db):
    """What is in the database for good (an open transaction is taken back first), as a dict; None when that cannot be read."""
    try:
        still_open = db.in_transaction
        if still_open:
            db.execute("ROLLBACK")
        held = {"open": still_open}
        for table, columns in (("study", "*"), ("correction", "study_pk, was_patient_pk"), ("patient", "*")):
            held[table] = db.execute(f"SELECT {columns} FROM {table} ORDER BY 1").fetchall()
        db.close()
        return held
    except sqlite3.Error:
        return None


class ColumnsByKey(Table):
    """A table of columns and their keys, which may also be written as a dictionary from each key to its columns."""

    keys = ("accession", "pid", "procedure_code", "station_aet")

    def read(self, given):
        """The table as Rows."""
        if is_a(given, dict):
            value = plain(given)
            if value and all(str(key).strip().casefold() in self.keys for key in value):
                given = [(column, key) for key, columns in value.items() for column in (columns if isinstance(columns, list) else [columns])]
        return super().read(given)


DAY_LIST = """
    SELECT study_uid, description FROM study
    WHERE study_dt_local >= '2025-04-06' AND study_dt_local < '2025-04-07' AND deleted = 0
    ORDER BY study_dt_local
"""


class IndexFor(Text):
    """A CREATE INDEX statement, judged by what the database then does with a query.

    It is read as "how the query is carried out | what the index is on".
    """

    takes = "a CREATE INDEX statement, as text between quotes"

    def __init__(self, variables, query):
        super().__init__(variables)
        self.query = query

    def read(self, given):
        """How the query is carried out with this index, in a database with the archive's tables and two rows."""
        text = super().read(given)
        if not re.match(r"create\s+(unique\s+)?index\b", text, re.IGNORECASE):
            raise Unreadable(f"This exercise takes a statement that begins with CREATE INDEX; you gave {short(text, 40)}.")
        db = _connect()
        try:
            for statement in schema.create_tables() + schema.create_indexes():
                db.execute(statement)
            before = {row[0] for row in db.execute("SELECT name FROM sqlite_master")}
            db.executemany(
                "INSERT INTO study (patient_pk, study_uid, study_dt_local, tz_offset, n_series, n_instances, size_bytes, status, "
                "created_utc, deleted) VALUES (1, ?, '2025-04-06 10:00:00', '+0200', 1, 1, 1, 'READ', '2025-04-06 08:10:00', 0)",
                [("2.999.1",), ("2.999.2",)],
            )
            db.execute(text)
            on = [row for row in db.execute("SELECT name, tbl_name, sql FROM sqlite_master") if row[0] not in before]
            plan = "; ".join(row[-1] for row in db.execute("EXPLAIN QUERY PLAN " + self.query))
        except sqlite3.IntegrityError:
            raise Unreadable("The database refuses it: with UNIQUE no two rows may agree in this column, and some do. Leave out "
                             "UNIQUE.") from None
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise Unreadable(f"The database refuses it: {error}.") from None
        finally:
            db.close()
        found = re.search(r"SEARCH study.*", plan)
        if not on:
            raise Unreadable("No index was made: there is one of this name already. Give it another name.")
        columns = re.search(r"\bon\b\s*(.*)", on[0][2], re.IGNORECASE | re.DOTALL)[1]
        columns = re.sub(r"[\s\"'`\[\]]", "", columns.casefold())
        columns = re.sub(r"\w+\(study_dt_local.*", "computed", columns.removeprefix("study(")) if columns.startswith("study(") else columns
        columns = re.sub(r"^\w+,study_dt_local.*", "second place", columns)
        return f"{found[0] if found else 'SCAN'} | {columns}"

    def difference(self, answer, other):
        """None when both make the query a search by the day, or when both are on the same columns."""
        if _finds_the_day(answer) and _finds_the_day(other) or answer.split("|")[1] == other.split("|")[1]:
            return None
        return Difference("With this index the database still reads more than the rows of the day. Compare the plan before and after on "
                          "your copy.", "scan")


def _finds_the_day(read):
    return "study_dt_local>" in read.split("|")[0]


@lesson.input
def pacs(hospital):
    """The PACS database, which can only be read."""
    return hospital.pacs


@lesson.input
def own_copy(hospital):
    """The learner's own copy of it, which may be written to."""
    return OwnCopy(hospital)


@lesson.input
def try_out(hospital):
    """Carries out one statement and takes it back at once."""
    return TryOut(hospital)


@lesson.input
def statements(hospital):
    """Ten changes that somebody might ask for: a dict from a label to the statement."""
    draws = Draws(hospital.seed, "cpas-05 statements")

    def some(sql):
        rows = hospital.pacs.rows(sql + " LIMIT 40")[1]
        return rows[draws.one(0, len(rows) - 1)]

    recent = "study.deleted = 0 AND study.created_utc >= '2025-03-01'"
    (one, uid), (other,) = some(f"SELECT pk, study_uid FROM study WHERE {recent}"), some(
        f"SELECT pk FROM study WHERE {recent} AND accession IS NOT NULL AND pk % 2 = 1")
    two, accession = some(f"SELECT pk, accession FROM study WHERE {recent} AND accession IS NOT NULL AND pk % 2 = 0")
    (patient,) = some(f"SELECT patient_pk FROM study WHERE {recent}")
    (series,) = some("SELECT pk FROM series WHERE created_utc >= '2025-03-01'")
    (order,) = some("SELECT pk FROM orders WHERE visit_pk IS NOT NULL AND ordered_utc >= '2025-03-01'")
    (parent,) = some(f"SELECT study_pk FROM series JOIN study ON study.pk = study_pk WHERE {recent}")
    uid_owner = some(f"SELECT pk FROM study WHERE {recent} AND pk <> {one}")[0]
    changes = [
        f"UPDATE study SET study_uid = '{uid}' WHERE pk = {uid_owner}",
        f"UPDATE study SET accession = '{accession}' WHERE pk = {other}",
        f"UPDATE study SET accession = NULL WHERE pk = {two}",
        f"UPDATE study SET patient_pk = NULL WHERE pk = {one}",
        f"UPDATE study SET patient_pk = {80_000_000 + draws.one(1, 9999)} WHERE pk = {two}",
        f"UPDATE series SET study_pk = {80_000_000 + draws.one(1, 9999)} WHERE pk = {series}",
        f"UPDATE orders SET visit_pk = NULL WHERE pk = {order}",
        f"DELETE FROM study WHERE pk = {parent}",
        f"DELETE FROM patient WHERE pk = {patient}",
        "UPDATE ae SET aet = 'CT2' WHERE aet = 'MR1'",
    ]
    lot = draws.raw(len(changes)).tolist()
    return {f"s{number}": change for number, (_, change) in enumerate(sorted(zip(lot, changes)), 1)}


@lesson.input
def ris_list(hospital):
    """The orders of half a year as one flat list, as a RIS exports them for a spreadsheet."""
    return hospital.pacs.sql("""
        SELECT orders.accession, orders.scheduled_local, orders.priority, patient.pid, patient.name, patient.birth_date, patient.sex,
               orders.procedure_code, orders.procedure_desc, orders.station_aet, ae.location, ae.host
        FROM orders
        JOIN patient ON patient.pk = orders.patient_pk
        JOIN ae ON ae.aet = orders.station_aet
        JOIN issuer ON issuer.pk = orders.issuer_pk
        WHERE orders.ordered_utc >= '2024-10-01' AND issuer.name = 'HVGH'
        ORDER BY orders.pk
    """)


@lesson.input
def day_list(hospital):
    """The query of the list of the day."""
    return DAY_LIST


@lesson.input
def two_sessions(hospital):
    """Two connections to one small database."""
    return TwoSessions(hospital.pacs.rows("SELECT accession, description FROM study WHERE created_utc >= '2025-04-05' "
                                          "AND accession IS NOT NULL AND description IS NOT NULL ORDER BY pk LIMIT 3")[1])


@lesson.input
def practice(hospital):
    """A small database to try a transaction on: some of the archive's patients and studies."""
    rows = hospital.pacs.rows("SELECT patient.pid, patient.name, study.study_uid, study.description FROM study "
                              "JOIN patient ON patient.pk = study.patient_pk WHERE study.created_utc >= '2025-04-01' "
                              "AND study.deleted = 0 ORDER BY study.pk LIMIT 6")[1]
    patients = list(dict.fromkeys((pid, name) for pid, name, _, _ in rows))
    return _practice(patients, [(patients.index((pid, name)), uid, description) for pid, name, uid, description in rows], [len(rows) - 1])


@lesson.input
def edits(hospital):
    """Who opened and saved which study on Saturday: the log of the client in which identifiers are corrected."""
    import pandas

    draws = Draws(hospital.seed, "cpas-05 edits")
    desks, columns = ["ED desk", "CT room", "PACS desk"], ["patient", "accession", "description", "body side", "referrer"]
    stories = (  # A and B are two of the desks, p, q and r three fields
        "A opens, B opens, A saves p, B saves q",
        "A opens, A saves p, B opens, B saves p",
        "A opens, B opens, A saves p, A opens, A saves q, B saves r",
        "A opens, B opens, B closes, A saves p",
        "A opens, B opens, A saves p, B saves p",
        "A opens, A saves p, B opens, A opens, B saves q, A closes",
    )
    order = [place for _, place in sorted(zip(draws.raw(len(stories)).tolist(), range(len(stories))))]
    queues = []
    for study, place in enumerate(order, 1):
        first, second, field = draws.one(0, 2), draws.one(1, 2), draws.one(0, 4)
        stand_for = {"A": desks[first], "B": desks[(first + second) % 3]}
        fields = {letter: columns[(field + step) % 5] for step, letter in enumerate("pqr")}
        steps = [step.split() for step in stories[place].split(", ")]
        queues.append([(stand_for[who], does, f"study {study}", fields[what[0]] if what else "") for who, does, *what in steps])
    rows = []
    while any(queues):
        waiting = [queue for queue in queues if queue]
        rows.append(waiting[draws.one(0, len(waiting) - 1)].pop(0))
    minute = 9 * 60 + draws.one(0, 20)
    table = []
    for number, row in enumerate(rows, 1):
        minute += draws.one(1, 9)
        table.append((f"e{number:02d}", f"{minute // 60:02d}:{minute % 60:02d}", *row))
    return pandas.DataFrame(table, columns=["event", "time", "who", "does", "study", "field"])


@lesson.input
def backup_taken_utc(hospital):
    """When the last full backup of the database was taken."""
    return "2025-04-06 00:00:00"


@lesson.input
def log_files(hospital):
    """The pieces of the transaction log that can be read after the failure: one an hour, one of them lost."""
    import pandas

    hours = sorted({row[0] for row in hospital.pacs.rows("SELECT DISTINCT substr(created_utc, 1, 13) FROM instance "
                                                         "WHERE created_utc >= '2025-04-06'")[1]})
    lost, end = hours[len(hours) // 2], hours[-1]
    first = Draws(hospital.seed, "cpas-05 log files").one(4100, 8900)
    every = [f"2025-04-{6 + hour // 24:02d} {hour % 24:02d}" for hour in range(30)]
    rows = [(f"pacs_{first + number}.log", first + number, f"{hour}:00:00", f"{following}:00:00")
            for number, (hour, following) in enumerate(zip(every, every[1:])) if hour < end and hour != lost]
    return pandas.DataFrame(rows, columns=["file", "sequence", "from_utc", "to_utc"])


def event(value):
    """The label of an event, from "e07", "7" or 7."""
    text = str(value).strip(" '\"").casefold().removeprefix("e")
    if not text.isdigit():
        raise ValueError("that is no label of an event, which is an e and a number")
    return f"e{int(text):02d}"


def label_of(value):
    """The label of a statement, from "s7", "7" or 7."""
    text = str(value).strip(" '\"").casefold().removeprefix("s")
    if not text.isdigit():
        raise ValueError("that is no label of a statement, which is an s and a number")
    return f"s{int(text)}"


@lesson.exercise
class TheWardList:
    """The night nurse's list: every order placed **on or after 4 April 2025** (`ordered_utc`), with the patient and where the patient is.

    Four columns: `accession` of the order, `pid` and `name` of the patient for whom it was ordered, and `location` of the visit to which
    the order belongs. Orders that were referred from outside have no visit; they must be in the list too, with an empty `location`.

    The answer is the text of the query between three quotes, `query = \"\"\"SELECT ...\"\"\"`; `pacs.sql(query)` shows what it gives.
    """

    answer = Query("query", database="pacs", result=Table(key=["accession"]))
    points = 2
    praise = "One row per order, each with its own patient, and nobody fell out because a key was empty."

    def solution():
        return """
            SELECT orders.accession, patient.pid, patient.name, visit.location
            FROM orders
            JOIN patient ON patient.pk = orders.patient_pk
            LEFT JOIN visit ON visit.pk = orders.visit_pk
            WHERE orders.ordered_utc >= '2025-04-04'
        """

    def inner_join():
        return """
            SELECT orders.accession, patient.pid, patient.name, visit.location
            FROM orders JOIN patient ON patient.pk = orders.patient_pk JOIN visit ON visit.pk = orders.visit_pk
            WHERE orders.ordered_utc >= '2025-04-04'
        """

    def key_to_key():
        return """
            SELECT orders.accession, patient.pid, patient.name, visit.location
            FROM orders LEFT JOIN patient ON patient.pk = orders.pk LEFT JOIN visit ON visit.pk = orders.visit_pk
            WHERE orders.ordered_utc >= '2025-04-04'
        """

    def any_visit_of_the_patient():
        return """
            SELECT orders.accession, patient.pid, patient.name, visit.location
            FROM orders JOIN patient ON patient.pk = orders.patient_pk LEFT JOIN visit ON visit.patient_pk = patient.pk
            WHERE orders.ordered_utc >= '2025-04-04'
        """

    def only_without_visit():
        return """
            SELECT orders.accession, patient.pid, patient.name, visit.location
            FROM orders JOIN patient ON patient.pk = orders.patient_pk LEFT JOIN visit ON visit.pk = orders.visit_pk
            WHERE orders.ordered_utc >= '2025-04-04' AND orders.visit_pk IS NULL
        """

    def equals_null():
        return """
            SELECT orders.accession, patient.pid, patient.name, visit.location
            FROM orders JOIN patient ON patient.pk = orders.patient_pk LEFT JOIN visit ON visit.pk = orders.visit_pk
            WHERE orders.ordered_utc >= '2025-04-04' AND orders.visit_pk = NULL
        """

    wrong_ways = {
        inner_join: "The orders from outside are missing. Their `visit_pk` is NULL, equal to no key, so a plain `JOIN` finds no partner "
        "for them and drops the row.",
        key_to_key: "The patients are strangers to these orders: you set one table's own `pk` equal to the other's. Each table counts "
        "its own rows; equal numbers mean nothing. A foreign key goes on one side, the primary key to which it points on the other.",
        any_visit_of_the_patient: "You took every visit of the patient, so an order stands there once per visit, with wards of years "
        "ago, and orders from outside get a ward too. The order itself says to which visit it belongs.",
        only_without_visit: "Those are the orders without a visit alone. The list is to hold the others too.",
        equals_null: "Your result is empty. A comparison with `= NULL`, or with empty quotes, is never true for a missing key. Besides, "
        "all orders are wanted, with a visit or without.",
    }
    signs = {r"=\s*null": equals_null, r"visit\.patient_pk|v\.patient_pk": any_visit_of_the_patient}
    hints = [
        "Begin with the table of which each row is to appear once: `FROM orders`. Which two columns of it point to other tables?",
        "The patient: `JOIN patient ON patient.pk = orders.patient_pk`. Every order has one.",
        "The visit may be missing, so it needs the join that keeps the row of the left table.",
        "`SELECT orders.accession, patient.pid, patient.name, visit.location FROM orders JOIN patient ON ... LEFT JOIN visit ON ... "
        "WHERE ...`",
    ]


@lesson.exercise
class SeriesWithoutAStudy:
    """The monitor's line says that some series belong to no study. **How many rows of `series` have a `study_pk` that no row of `study`
    has, and what has happened?** Give the number as `how_many`, and the letter.
    """

    answer = Choice(
        "what_happened, how_many",
        options={
            "A": "Nothing yet: the images are still being sent, and the rows of their studies will follow.",
            "B": "Users deleted these studies in the client; the archive hides them.",
            "C": "Rows of `study` were removed in the database itself, and no declared foreign key was there to object.",
            "D": "The archive did not know the study, so it left `study_pk` empty (NULL).",
        },
        evidence=Number("how_many"),
    )
    points = 2
    praise = "The images are on disk and cost space, and no search that begins at the study will ever show them."

    def solution(pacs):
        found = pacs.sql("""
            SELECT series.pk
            FROM series
            LEFT JOIN study ON study.pk = series.study_pk
            WHERE study.pk IS NULL
        """)
        return "C", len(found)

    def still_arriving(pacs):
        return "A", None

    def deleted_by_users(pacs):
        return "B", None

    def left_empty(pacs):
        return "D", None

    def studies_without_series(pacs):
        return "C", pacs.rows("SELECT COUNT(*) FROM study LEFT JOIN series ON series.study_pk = study.pk WHERE series.pk IS NULL")[1][0][0]

    def series_of_deleted_studies(pacs):
        return "C", pacs.rows("SELECT COUNT(*) FROM series JOIN study ON study.pk = series.study_pk WHERE study.deleted = 1")[1][0][0]

    def all_series(pacs):
        return "C", pacs.rows("SELECT COUNT(*) FROM series LEFT JOIN study ON study.pk = series.study_pk")[1][0][0]

    def none_at_all(pacs):
        return "C", len(pacs.sql("SELECT series.pk FROM series JOIN study ON study.pk = series.study_pk WHERE study.pk IS NULL"))

    wrong_ways = {
        still_arriving: "The archive makes the row of a study with the first object that it receives, so a series never waits for its "
        "study. And look at `created_utc` of these series: most arrived long ago.",
        deleted_by_users: "A study that a user deletes stays in the table, with `deleted = 1`: its series still find their row. Those "
        "asked for find none.",
        left_empty: "`study_pk` is declared NOT NULL, so it cannot be empty. Each of these series holds a number, but no study has it.",
        studies_without_series: "The explanation is right; the number is that of the other direction, studies that have no series. "
        "Begin with `series` and look for a study.",
        series_of_deleted_studies: "The explanation is right; the number is that of series whose study is marked as deleted. Their "
        "study is still a row.",
        none_at_all: "The explanation is right, but there are some. A plain JOIN gives pairs only, so nothing in its result lacks a partner; and "
        "`series.study_pk` itself is never NULL: it holds a number that no study has. Use a LEFT JOIN, and ask for `study.pk IS NULL`.",
        all_series: "The explanation is right; the number is that of all series. Keep those for which the LEFT JOIN found nothing.",
    }
    hints = [
        "Series that have no partner in `study`: the LEFT JOIN of the orders without a visit, with other tables.",
        "`FROM series LEFT JOIN study ON study.pk = series.study_pk` gives every series; where nothing fits, `study.pk` is NULL.",
        "Keep these rows with `WHERE study.pk IS NULL` and count them. For the letter look at the column's declaration in "
        "`pacs.columns(\"series\")` and at what `deleted = 1` means.",
    ]


@lesson.exercise
class WhatIsRefused:
    """Ten changes, `s1` to `s10`, each on its own. **Which of them does the database refuse?** Decide from the declarations above before
    you try one with `try_out(statements["s1"])`. Answer with a list of their labels, such as `["s1", "s2"]`.
    """

    answer = Set("refused", reading=label_of)
    points = 2
    praise = "A declared rule holds for every program and every hurried colleague; a rule that is not declared is a hope."

    def solution(statements, try_out):
        return [label for label, statement in statements.items() if try_out(statement).startswith("Refused")]

    def as_if_all_keys_were_declared(statements, try_out):
        also = [label for label, statement in statements.items() if "series SET study_pk" in statement or "DELETE FROM study" in statement]
        return [label for label, statement in statements.items() if try_out(statement).startswith("Refused")] + also

    def foreign_keys_forgotten(statements, try_out):
        return [label for label, statement in statements.items() if "FOREIGN" not in try_out(statement) and "Refused" in try_out(statement)]

    def null_never_allowed(statements, try_out):
        return [label for label, statement in statements.items() if "Refused" in try_out(statement) or "= NULL" in statement]

    def accession_unique(statements, try_out):
        return [label for label, statement in statements.items() if "Refused" in try_out(statement) or "SET accession = '" in statement]

    def parents_may_go(statements, try_out):
        return [label for label, statement in statements.items() if "Refused" in try_out(statement) and "DELETE" not in statement]

    def what_goes_through(statements, try_out):
        return [label for label, statement in statements.items() if "Done" in try_out(statement)]

    wrong_ways = {
        as_if_all_keys_were_declared: "You counted on a foreign key between `series` and `study`. It is meant, but look at the "
        "declaration of `series.study_pk`: nothing is declared, so nothing is enforced. That is how the ticket's series came about.",
        foreign_keys_forgotten: "UNIQUE and NOT NULL you have. The third kind of rule is missing: REFERENCES refuses a key that does "
        "not exist, and it refuses to remove a row to which others point.",
        null_never_allowed: "NULL is refused only where the column is declared NOT NULL. `accession` and `visit_pk` may be empty.",
        accession_unique: "No rule says that an accession number may stand at one study only. There is an index on it, but not a unique "
        "one: one order may well lead to two studies.",
        parents_may_go: "One refusal is missing: REFERENCES works in both directions. A row to which others point cannot be removed.",
        what_goes_through: "Those are the changes that the database carries out. Asked are those that it refuses.",
    }
    hints = [
        "Three declarations refuse: NOT NULL, UNIQUE (in a unique index, too), and REFERENCES. Look in the declarations for the column "
        "that a statement changes.",
        "Two tables are connected for the database only where REFERENCES stands. Is it there for every arrow that you would draw?",
        "A DELETE is refused when another table REFERENCES this one and has a row that points to the one removed.",
        "`try_out(statements[...])`, with a label in the brackets, carries a change out and takes it back. Go through them one by one.",
    ]


@lesson.exercise
class WhereEachColumnBelongs:
    """Take the flat list apart. For each of the eight columns `scheduled_local`, `priority`, `name`, `birth_date`, `sex`,
    `procedure_desc`, `location` and `host`: **by which key is it determined directly**, `accession`, `pid`, `procedure_code` or
    `station_aet`? `depends(...)` helps.

    Two columns, `column` and `key`; a dictionary such as `{"name": "...", "sex": "..."}` does as well.
    """

    answer = ColumnsByKey("home", key=["column"])
    points = 2
    praise = "Four keys, four tables: each fact stands in one place, and there is only one place to correct it."

    def solution(ris_list):
        rows = []
        for column in ["scheduled_local", "priority", "name", "birth_date", "sex", "procedure_desc", "location", "host"]:
            determined_by = "accession"
            for key in ["pid", "procedure_code", "station_aet"]:
                if len(ris_list[[key]].drop_duplicates()) == len(ris_list[[key, column]].drop_duplicates()):
                    determined_by = key
            rows.append({"column": column, "key": determined_by})
        return rows

    def all_by_the_accession(ris_list):
        return [{**row, "key": "accession"} for row in _home()]

    def place_by_the_patient(ris_list):
        return _home(location="pid")

    def place_by_the_order(ris_list):
        return _home(location="accession", host="accession")

    def procedure_by_the_order(ris_list):
        return _home(procedure_desc="accession")

    def time_by_the_station(ris_list):
        return _home(scheduled_local="station_aet")

    def name_by_the_order(ris_list):
        return _home(name="accession")

    def priority_by_the_procedure(ris_list):
        return _home(priority="procedure_code")

    wrong_ways = {
        all_by_the_accession: "True, an accession number leads to all of it, but by way of another key: the order names the patient, "
        "and the patient has the name. A column belongs to the key that determines it *directly*; that is the third normal form.",
        place_by_the_patient: "The patient's ward is not in this list: `location` is where the *device* stands. Try `depends(ris_list, "
        "\"pid\", \"location\")`.",
        place_by_the_order: "Where a device stands and its address do not change from order to order. When the scanner moves, you would "
        "have to correct thousands of rows.",
        procedure_by_the_order: "The description is repeated with every order of the same code. It belongs to the code, or one order "
        "will one day say something else than the next.",
        time_by_the_station: "One station has many times. Try `depends(ris_list, \"station_aet\", \"scheduled_local\")`.",
        name_by_the_order: "With the name in each order, a marriage means correcting every order that she ever had. Which key stands "
        "for the person?",
        priority_by_the_procedure: "The same procedure is ordered urgent one day and as a routine the next. Try `depends(ris_list, "
        "\"procedure_code\", \"priority\")`.",
    }
    hints = [
        "Ask of each column: whose property is it? The order's, the person's, the procedure's or the device's?",
        "`depends(ris_list, \"pid\", \"name\")` says whether each `pid` has but one `name` in this list. False settles it; True is a sign.",
        "Try the three smaller keys first. What depends on none of them is the order's own, and its key is `accession`.",
    ]


@lesson.exercise
class LostCorrections:
    """**Which of Saturday's saves were lost?** A save is lost when a later save of the same study came from somebody who had opened the
    study *before* and so never saw it: that form puts the old values back. Who overwrites a value after having seen it does so on
    purpose; nothing is lost then.

    Answer with a list of events, such as `["e01", "e02"]`.
    """

    answer = Set("lost", reading=event)
    points = 2
    praise = (
        "Nobody made a mistake that they could see. That is why the program has to notice it, and why such tickets come without an "
        "error message."
    )

    def solution(edits):
        opened, saves = {}, []
        for row in edits.to_dict("records"):
            if row["does"] == "opens":
                opened[row["who"], row["study"]] = row["event"]
            if row["does"] == "saves":
                saves.append((row["event"], row["study"], opened[row["who"], row["study"]]))
        overwritten = []
        for saved, study, _ in saves:
            for later, other_study, seen in saves:
                if other_study == study and seen < saved < later:
                    overwritten.append(saved)
        return overwritten

    def all_but_the_last(edits):
        saves = edits[edits["does"] == "saves"]
        return list(saves[saves.duplicated("study", keep="last")]["event"])

    def only_the_same_field(edits):
        return [saved["event"] for saved, later in _blind(edits) if saved["field"] == later["field"]]

    def the_later_one(edits):
        return [later["event"] for _, later in _blind(edits)]

    def only_the_one_before(edits):
        return list({later["event"]: saved["event"] for saved, later in _blind(edits)}.values())

    def both(edits):
        return [row["event"] for pair in _blind(edits) for row in pair]

    wrong_ways = {
        all_but_the_last: "You took every save that is not the last of its study. Look when the later one was *opened*: who opens after "
        "a save sees it, and saves it again along with their own change.",
        only_the_same_field: "You took only the pairs that changed the same field. The form saves the whole row: with its own change it "
        "writes back the old values of all other fields.",
        the_later_one: "The later save is the one that stays. What it never saw is gone.",
        only_the_one_before: "One is missing. A form that was open for long overwrites *every* save that came since, not just the last "
        "of them.",
        both: "Of two saves that did not know of each other the later one stands. Only the earlier is lost.",
    }
    hints = [
        "Go study by study: `edits[edits[\"study\"] == \"study 1\"]` shows the events of one.",
        "For each save note when that desk had last opened the study. Every save by somebody else between that opening and this save is "
        "lost.",
        "In one study nobody was in between, in one the other desk closed the form without saving, in one the form was opened after the "
        "save. In others somebody saved on an old form; one of these lost two saves.",
    ]


def _blind(edits):
    """The pairs (save, later save) of a study whose later form had been opened before the earlier save: rows as dict."""
    opened, saves = {}, []
    for row in edits.to_dict("records"):
        if row["does"] == "opens":
            opened[row["who"], row["study"]] = row["event"]
        if row["does"] == "saves":
            saves.append({**row, "seen": opened[row["who"], row["study"]]})
    return [(one, later) for one in saves for later in saves
            if one["study"] == later["study"] and later["seen"] < one["event"] < later["event"]]


def _home(**changed):
    """The right places of the list's columns, but for these."""
    right = {"scheduled_local": "accession", "priority": "accession", "name": "pid", "birth_date": "pid", "sex": "pid",
             "procedure_desc": "procedure_code", "location": "station_aet", "host": "station_aet"}
    return [{"column": column, "key": key} for column, key in {**right, **changed}.items()]


@lesson.exercise
class FileUnder:
    """Write `file_under(db, study_uid, pid)`: the study with this `study_uid` is to be filed under the patient with this `pid`. **Both or
    nothing**:

    1. a row in `correction`: `study_pk`, and in `was_patient_pk` the patient under whom the study was filed *before*;
    2. the study's `patient_pk` points to the patient with this `pid`.

    If anything stands in the way (no such study, no such patient, a study that has a correction already), the database must be as before,
    and no transaction may be left open. What the function returns does not matter. It is tried on practice databases that you have not
    seen.
    """

    answer = ChangesTogether("file_under")
    points = 3
    praise = "Correction and proof of it stand or fall together: whatever interrupts it, nobody will find half a correction."

    def solution(db, study_uid, pid):
        db.execute("BEGIN")
        try:
            db.execute("INSERT INTO correction (study_pk, was_patient_pk) "
                       "SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid,))
            db.execute("UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = ?) "
                       "WHERE study_uid = ?", (pid, study_uid))
            db.execute("COMMIT")
        except sqlite3.Error:
            db.execute("ROLLBACK")

    def cases(draw):
        families = [family for language in names.LANGUAGES for family in language[0]]
        patients = [(f"HV{number}", f"{draw.choice(families).upper()}^{draw.choice('ABDEFGHIKLMN')}")
                    for number in draw.sample(range(100_000, 300_000), 8)]
        studies = [(draw.randrange(8), f"2.999.200.7.{number}", draw.choice(["CT HEAD", "XR FOOT", "MR KNEE", "US ABDOMEN"]))
                   for number in draw.sample(range(10_000_000, 99_999_999), 14)]
        db = _practice(patients, studies, [0, 1, 2])
        others = [[pid for place, (pid, _) in enumerate(patients) if place != of] for of, _, _ in studies]
        cases = [(db, studies[place][1], draw.choice(others[place])) for place in range(3, 14)]
        cases += [(db, studies[place][1], draw.choice(others[place])) for place in range(3)]
        cases += [(db, studies[place][1], f"HV{draw.randrange(300_000, 400_000)}") for place in (4, 8, 12)]
        cases += [(db, f"2.999.200.8.{draw.randrange(10_000_000)}", draw.choice(patients)[0]) for _ in range(3)]
        return cases

    def each_for_itself(db, study_uid, pid):
        try:
            db.execute("INSERT INTO correction (study_pk, was_patient_pk) "
                       "SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid,))
            db.execute("UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = ?) "
                       "WHERE study_uid = ?", (pid, study_uid))
        except sqlite3.Error:
            pass

    def update_first_each_for_itself(db, study_uid, pid):
        row = db.execute("SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid,)).fetchone()
        try:
            db.execute("UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = ?) "
                       "WHERE study_uid = ?", (pid, study_uid))
            db.execute("INSERT INTO correction (study_pk, was_patient_pk) VALUES (?, ?)", row)
        except (sqlite3.Error, ValueError, TypeError):
            pass

    def never_committed(db, study_uid, pid):
        db.execute("BEGIN")
        try:
            db.execute("INSERT INTO correction (study_pk, was_patient_pk) "
                       "SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid,))
            db.execute("UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = ?) "
                       "WHERE study_uid = ?", (pid, study_uid))
        except sqlite3.Error:
            db.execute("ROLLBACK")

    def noted_too_late(db, study_uid, pid):
        db.execute("BEGIN")
        try:
            db.execute("UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = ?) "
                       "WHERE study_uid = ?", (pid, study_uid))
            db.execute("INSERT INTO correction (study_pk, was_patient_pk) "
                       "SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid,))
            db.execute("COMMIT")
        except sqlite3.Error:
            db.execute("ROLLBACK")

    def without_a_note(db, study_uid, pid):
        try:
            db.execute("UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = ?) "
                       "WHERE study_uid = ?", (pid, study_uid))
        except sqlite3.Error:
            pass

    def nothing_done(db, study_uid, pid):
        try:
            db.execute("BEGIN")
            db.execute("INSERT INTO correction (study_pk, was_patient_pk) "
                       "SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid))
        except sqlite3.Error:
            db.execute("ROLLBACK")

    def without_where(db, study_uid, pid):
        db.execute("BEGIN")
        try:
            db.execute("INSERT INTO correction (study_pk, was_patient_pk) "
                       "SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid,))
            db.execute("UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = ?)", (pid,))
            db.execute("COMMIT")
        except sqlite3.Error:
            db.execute("ROLLBACK")

    wrong_ways = {
        each_for_itself: "When the patient does not exist, the row in `correction` stays although the study was not moved: half a "
        "correction. Each statement was kept on its own. Put a BEGIN before the first, and a ROLLBACK where an error is caught.",
        update_first_each_for_itself: "When the study has a correction already, the study is moved although the row in `correction` was "
        "refused: half a correction. Each statement was kept on its own. Put a BEGIN before the first, and a ROLLBACK where an error is "
        "caught.",
        never_committed: "A transaction is left open. Without COMMIT nothing of it is kept, and until the connection is closed it locks "
        "others out.",
        noted_too_late: "`correction` holds the new patient in place of the former one: when the row is written, the study has already "
        "been moved. Note first, or read the old value before you change it.",
        without_a_note: "The study is moved, but `correction` does not say where it was. Both belong together.",
        nothing_done: "Nothing is changed, not even when all is in order. Does every way end in ROLLBACK, or is an error caught in "
        "silence? Each `?` needs its value, and one value alone a comma in its brackets: `(study_uid,)`.",
        without_where: "Your UPDATE has no WHERE: it moves *every* study of the database to this patient.",
    }
    hints = [
        "Take the function `describe` from above as the pattern: BEGIN, `try:`, the statements, COMMIT; `except sqlite3.Error:`, ROLLBACK.",
        "The row for `correction` can be made from the study itself: `INSERT INTO correction (study_pk, was_patient_pk) SELECT pk, "
        "patient_pk FROM study WHERE study_uid = ?`.",
        "The patient's key can be looked up within the UPDATE: `SET patient_pk = (SELECT pk FROM patient WHERE pid = ?)`. When there is "
        "no such patient, that is NULL, and the rule NOT NULL refuses it.",
        "Which of the two must come first, so that `was_patient_pk` is the former patient?",
    ]


@lesson.exercise
class AnIndexForTheDay:
    """The list of the day takes too long. **Write the `CREATE INDEX` statement** that lets the database go straight to the rows of the
    day in `day_list`, whatever else the archive does. The name of the index is up to you.
    """

    answer = IndexFor("statement", DAY_LIST)
    points = 2
    praise = (
        "The screen asks for it every minute; now it reads the rows of one day, not of all years. The price: one more list to keep "
        "up with every arrival."
    )

    def solution():
        return "CREATE INDEX study_day ON study(study_dt_local)"

    def on_the_arrival():
        return "CREATE INDEX study_day ON study(created_utc)"

    def on_deleted():
        return "CREATE INDEX study_day ON study(deleted)"

    def in_second_place():
        return "CREATE INDEX study_day ON study(study_uid, study_dt_local)"

    def on_a_computed_day():
        return "CREATE INDEX study_day ON study(substr(study_dt_local, 1, 10))"

    def after_the_description():
        return "CREATE INDEX study_day ON study(description)"

    wrong_ways = {
        on_the_arrival: "That is the time of arrival, for which there is an index already. The condition of `day_list` is on the time "
        "of the exam.",
        on_deleted: "Nearly every study has `deleted = 0`: this index leads to nearly all rows of the table. An index pays where the "
        "value picks out few rows.",
        in_second_place: "The day stands in second place. As a telephone book, sorted by family name, does not help to find all Annas, "
        "an index finds a range only in its first column, or behind columns that the query fixes with `=`.",
        on_a_computed_day: "This index sorts the result of a computation. The query asks for the bare column, and for the database that "
        "is something else.",
        after_the_description: "The query does not ask for a description, it only shows it. The index must be on the column that the "
        "condition names.",
    }
    hints = [
        "Which column stands in the condition of `day_list` with `>=` and `<`?",
        "The form is `CREATE INDEX a_name ON the_table(the_column)`.",
        "Try it on your copy: `own_copy.sql(\"CREATE INDEX ...\")`, then `own_copy.sql(\"EXPLAIN QUERY PLAN \" + day_list)`. You look "
        "for SEARCH with the column of the condition in brackets. `own_copy.fresh()` gives you the copy as it was.",
    ]



@lesson.exercise
class HowManyQueries:
    """The regional exchange wants a list of **all series of the exams of 31 March to 6 April 2025**, both days included
    (`study_dt_local`), and may only ask over DICOM: Study Root, without relational queries. It asks for the studies of these days at
    once, with a range of dates, and then for series. **How many C-FIND requests does it send in all?** The archive answers with the
    studies that are not deleted.
    """

    answer = Number("requests")
    points = 2
    praise = (
        "That is why a gateway that lists series by day makes the archive busy: the number of requests grows with the number of "
        "studies."
    )

    def solution(pacs):
        studies = pacs.sql("""
            SELECT study_uid
            FROM study
            WHERE study_dt_local >= '2025-03-31'
              AND study_dt_local < '2025-04-07'
              AND deleted = 0
        """)
        return 1 + len(studies)

    def as_in_sql(pacs):
        return 1

    def first_one_forgotten(pacs):
        return _in_those_days(pacs, "COUNT(*)")

    def one_per_series(pacs):
        return 1 + _in_those_days(pacs, "COUNT(*) + SUM(n_series)")

    def with_the_deleted(pacs):
        return 1 + pacs.rows("SELECT COUNT(*) FROM study WHERE study_dt_local >= '2025-03-31' AND study_dt_local < '2025-04-07'")[1][0][0]

    def from_the_patient_down(pacs):
        return 1 + pacs.rows("SELECT COUNT(*) FROM patient")[1][0][0] + _in_those_days(pacs, "COUNT(*)")

    def without_the_last_day(pacs):
        return 1 + _in_those_days(pacs, "SUM(study_dt_local <= '2025-04-06')")

    wrong_ways = {
        as_in_sql: "One join does it in SQL. In the hierarchical model a request on the level SERIES must name the one study whose "
        "series it wants (PS3.4 C.4.1.2.1).",
        first_one_forgotten: "Those are the requests for series. How does the exchange know the Study Instance UIDs that it names in them?",
        one_per_series: "You went one level too deep: a request for the series of a study brings all of them in its answers. Nobody "
        "asked for images.",
        with_the_deleted: "Deleted studies are in your number. The archive hides them, so no answer names them, and nobody asks for "
        "their series.",
        from_the_patient_down: "In Study Root the top level is the study, and the patient's attributes are keys of it. Nobody has to "
        "ask for all patients first.",
        without_the_last_day: "The last day is missing: a text with a time sorts after the bare date, so `BETWEEN` ends at its midnight.",
    }
    hints = [
        "Each level is asked by itself. What must a request on the level SERIES name?",
        "One request on the level STUDY with the range of dates; the answers bring the Study Instance UIDs. Then one request for each "
        "of them.",
        "Count the studies of these days with SQL: from `'2025-03-31'`, before `'2025-04-07'`, `deleted = 0`. Do not forget the request "
        "with which it began.",
    ]


def _in_those_days(pacs, what):
    """Something added up over the studies of those days, without the deleted."""
    return pacs.rows(f"SELECT {what} FROM study WHERE study_dt_local >= '2025-03-31' AND study_dt_local < '2025-04-07' AND deleted = 0"
                     )[1][0][0]


@lesson.exercise
class AfterTheRestore:
    """On Monday at 07:30 (05:30 UTC) the database's disk fails; those with the images are whole. There is the full backup of
    `backup_taken_utc` and what is in `log_files`. **How many instances that the archive had received will the restored database not
    know?** The table `instance` of `pacs` shows what the lost database held: count the rows that came after the moment to which it can be
    restored.
    """

    answer = Number("unknown")
    points = 2
    praise = "These objects are on disk and in no table: until somebody has them read in again, for every user they do not exist."

    def solution(pacs, log_files):
        restored_to = log_files["to_utc"].iloc[0]
        for _, piece in log_files.iterrows():
            if piece["from_utc"] > restored_to:
                break
            restored_to = piece["to_utc"]
        return len(pacs.sql(f"SELECT pk FROM instance WHERE created_utc >= '{restored_to}'"))

    def to_the_last_piece(pacs, log_files):
        return _received(pacs, f"created_utc >= '{log_files['to_utc'].iloc[-1]}'")

    def backup_alone(pacs, log_files):
        return _received(pacs, "created_utc >= '2025-04-06'")

    def around_the_gap(pacs, log_files):
        start, end = _gap(log_files)
        return _received(pacs, f"created_utc >= '{start}' AND created_utc < '{end}' OR created_utc >= '{log_files['to_utc'].iloc[-1]}'")

    def counted_series(pacs, log_files):
        return pacs.rows(f"SELECT COUNT(DISTINCT series_pk) FROM instance WHERE created_utc >= '{_gap(log_files)[0]}'")[1][0][0]

    wrong_ways = {
        to_the_last_piece: "You went on to the last piece. Look at the numbers in `sequence`: one is missing, and what comes after a "
        "gap cannot be replayed.",
        backup_alone: "That is what the full backup alone does not know. The pieces of the log carry the database further, up to a "
        "certain one.",
        around_the_gap: "You left out the missing piece and went on behind it. Each piece changes what the one before it left; without "
        "it the next ones do not fit, and the restore ends there.",
        counted_series: "Those are series. The question asks for instances, the single objects.",
    }
    hints = [
        "Read the column `sequence` from the top. Up to where is it without a gap?",
        "The database can be restored to the `to_utc` of the last piece before the gap, whatever comes later.",
        "Count with `pacs.sql(\"SELECT COUNT(*) FROM instance WHERE created_utc >= '...'\")` and that time in the quotes.",
    ]


def _gap(log_files):
    """The beginning and the end of the piece that is missing."""
    ends, begins = list(log_files["to_utc"]), list(log_files["from_utc"])
    return next((end, begin) for end, begin in zip(ends, begins[1:]) if end != begin)


def _received(pacs, condition):
    return pacs.rows(f"SELECT COUNT(*) FROM instance WHERE {condition}")[1][0][0]


@lesson.exercise
class TheNightlyCheck:
    """Write the check that shall run every night: **one query that lists every break**, in two columns, `problem` and `uid`:

    - `'series without study'`, with the `series_uid`: no row of `study` has its `study_pk`;
    - `'study without series'`, with the `study_uid`: no row of `series` points to it;
    - `'instance without file'`, with the `sop_uid`: it has no file whose status is `OK`, be it that it has none at all or that all are
    `MISSING`.

    Deleted studies and rejected instances are looked at like the others. The table `file` has no index on `instance_pk`: LEFT JOIN and
    NOT IN manage without, a `NOT EXISTS` would read the whole table once per instance.
    """

    answer = Query("query", database="pacs", result=Table())
    points = 4
    praise = "Three questions that no screen of the PACS asks. Put it in the nightly job, and the next ticket of this kind comes from you."

    def solution():
        return """
            SELECT 'series without study' AS problem, series.series_uid AS uid
            FROM series
            LEFT JOIN study ON study.pk = series.study_pk
            WHERE study.pk IS NULL
            UNION ALL
            SELECT 'study without series', study.study_uid
            FROM study
            LEFT JOIN series ON series.study_pk = study.pk
            WHERE series.pk IS NULL
            UNION ALL
            SELECT 'instance without file', instance.sop_uid
            FROM instance
            LEFT JOIN file ON file.instance_pk = instance.pk AND file.status = 'OK'
            WHERE file.pk IS NULL
        """

    def only_no_file_at_all():
        return _check("SELECT sop_uid FROM instance WHERE pk NOT IN (SELECT instance_pk FROM file)")

    def only_missing_files():
        return _check("SELECT sop_uid FROM instance JOIN file ON instance_pk = instance.pk WHERE status <> 'OK'")

    def those_with_a_file():
        return _check("SELECT sop_uid FROM instance WHERE pk IN (SELECT instance_pk FROM file WHERE status = 'OK')")

    def deleted_as_gone():
        return _check("SELECT sop_uid FROM instance WHERE pk NOT IN (SELECT instance_pk FROM file WHERE status = 'OK')",
                      "SELECT series_uid FROM series WHERE study_pk NOT IN (SELECT pk FROM study WHERE deleted = 0)")

    def joined():
        return """
            SELECT 'series without study' AS problem, series_uid AS uid FROM series JOIN study ON study.pk = study_pk WHERE study.pk IS NULL
            UNION ALL SELECT 'study without series', study_uid FROM study JOIN series ON series.study_pk = study.pk WHERE series.pk IS NULL
            UNION ALL SELECT 'instance without file', sop_uid FROM instance JOIN file ON instance_pk = instance.pk WHERE file.pk IS NULL
        """

    def no_files():
        return """
            SELECT 'series without study' AS problem, series_uid AS uid FROM series WHERE study_pk NOT IN (SELECT pk FROM study)
            UNION ALL SELECT 'study without series', study_uid FROM study WHERE pk NOT IN (SELECT study_pk FROM series)
        """

    wrong_ways = {
        only_no_file_at_all: "The instances whose file is `MISSING` are not in your list: they have a row in `file`, but nothing on disk.",
        only_missing_files: "The instances with no row in `file` at all are not in your list. With a plain join they have no partner; "
        "after a LEFT JOIN `status` is NULL, and `NULL <> 'OK'` is not true. Put the status into the ON, and ask which found nothing.",
        those_with_a_file: "For the instances you listed those that *have* a good file.",
        deleted_as_gone: "You took the series of deleted studies for series without a study. A deleted study is still a row; these "
        "series are in order.",
        joined: "Your result is empty: a plain JOIN gives pairs only, and you look for what has no partner.",
        no_files: "Series and studies are right. The third part is missing: instances without a good file.",
    }
    signs = {r"status\s*<>\s*'OK'|status\s*!=\s*'OK'|status\s*=\s*'MISSING'": only_missing_files, r"deleted\s*=\s*0": deleted_as_gone}
    hints = [
        "Write three queries, one per kind of break, and try each by itself. Each has the shape of exercise 2: LEFT JOIN and IS NULL.",
        "A constant text is a column too: `SELECT 'series without study' AS problem, series.series_uid AS uid FROM ...`. Put `UNION "
        "ALL` between the queries.",
        "For the files: what makes a partner good stands in the ON, `LEFT JOIN file ON file.instance_pk = instance.pk AND file.status = "
        "'OK'`; then ask, as before, where nothing was found.",
    ]


def _check(instances, series="SELECT series_uid FROM series WHERE study_pk NOT IN (SELECT pk FROM study)"):
    """The nightly check with other parts: each a query that gives UIDs."""
    return f"""
        SELECT 'series without study' AS problem, series_uid AS uid FROM ({series})
        UNION ALL SELECT 'study without series', study_uid FROM study WHERE pk NOT IN (SELECT study_pk FROM series)
        UNION ALL SELECT 'instance without file', sop_uid FROM ({instances})
    """
