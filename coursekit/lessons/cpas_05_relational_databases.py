"""Relational databases: the exercises of lesson cpas-05, on the tables of the PACS and on copies that may be written to."""

import copy
import random
import re
import sqlite3
import sys
import tempfile
from collections import Counter
from functools import cache, cached_property, partial
from pathlib import Path

from coursekit.checking import Choice, Function, Kind, Lesson, Number, Outcome, Query, Set, Table, Text, Verdict, running
from coursekit.checking.kinds.base import Difference
from coursekit.checking.kinds.query import MOST_ROWS
from coursekit.checking.kinds.table import Rows
from coursekit.checking.reading import Unreadable, is_a, is_library, plain, short
from coursekit.errors import CourseError
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
    """A small database with the tables patient, study and correction; a copy of it is a database of its own.

    told    : the statements that a copy was told, as SQLite carried them out
    before  : what a copy held when it was made, as `_held` gives it
    refuses : the statement at which the disk of a copy is full, in words; "" for none
    """

    refuses = ""

    def __deepcopy__(self, memo):
        other = _connect(factory=PracticeDatabase)
        self.backup(other)
        other.execute("PRAGMA foreign_keys=ON")
        if self.refuses:
            pages, = other.execute("PRAGMA page_count").fetchone()
            other.execute(f"PRAGMA max_page_count={pages + 2}")  # a connection's own limit, which a backup does not take over
        other.before = _held(other)
        other.told = []
        other.refuses = self.refuses
        other.set_trace_callback(other.told.append)
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


def _practice(patients, studies, corrected, refuses=""):
    """A PracticeDatabase. The keys of its corrections have gaps.

    patients  : (pid, name)
    studies   : (place of the patient in `patients`, UID, description)
    corrected : places in `studies` of those that have a correction already
    refuses   : "the UPDATE of study" or "the INSERT into correction": the disk is full when it comes to that, which nobody can look up
                before; the database then says so itself, with an error that no declared rule gives
    """
    db = _connect(factory=PracticeDatabase)
    db.execute("PRAGMA foreign_keys=ON")
    for table, columns in PRACTICE_TABLES.items():
        db.execute(f"CREATE TABLE {table} (\n  " + ",\n  ".join(columns) + "\n)")
    db.executemany("INSERT INTO patient (pid, name) VALUES (?, ?)", patients)
    db.executemany("INSERT INTO study (patient_pk, study_uid, description) VALUES (?, ?, ?)",
                   [(place + 1, uid, description) for place, uid, description in studies])
    for number, place in enumerate(corrected):
        db.execute("INSERT INTO correction (pk, study_pk, was_patient_pk) SELECT ?, pk, patient_pk % (SELECT count(*) FROM patient) + 1 "
                   "FROM study WHERE pk = ?", (3 * number + 1, place + 1))
    if refuses:
        what = refuses.removeprefix("the ").replace("INSERT into", "INSERT ON").replace("UPDATE of", "UPDATE ON")
        db.execute("CREATE TABLE vendor_log (entry BLOB NOT NULL)")
        db.execute(f"CREATE TRIGGER logged BEFORE {what} BEGIN INSERT INTO vendor_log VALUES (zeroblob(100000)); END")
    db.refuses = refuses
    return db


class ChangesTogether(Function):
    """A function that changes a PracticeDatabase: judged by what the database holds afterwards, not by what the function returns.

    An error may leave the function, as long as everything was taken back before.

    in_order : how many cases at the beginning have nothing in their way
    """

    def __init__(self, variables, in_order):
        super().__init__(variables, result=Contents())
        self.in_order = in_order

    def judge(self, exercise, given, editions):
        """The verdict on the function."""
        (function,) = given
        if not callable(function) or is_a(function, str):
            return super().judge(exercise, given, editions)
        cases = exercise.remembered(
            "cases", editions.own, lambda: exercise.cases(random.Random(f"{exercise.name} {editions.own.seed}"))
        )
        copies = [copy.deepcopy(case) for case in cases]
        ran = running.run_all([partial(_raised, function, case) for case in copies], self.seconds)
        if ran.stopped:
            return self._stopped(ran, cases)
        left = [_contents(case[0]) for case in copies]
        right = self._results(exercise, exercise.solution, cases, editions.own)
        differences = [self.result.difference(*pair) for pair in zip(left, right)]
        if not any(differences):
            if all(map(_began, left[:self.in_order])):
                return Verdict(Outcome.CORRECT, exercise.praise, "correct", exercise.points)
            return Verdict(Outcome.NOT_YET, "What the tables hold afterwards is right, but there is no transaction: each statement is "
                           "valid at once, and you repair afterwards. If the power fails in between, nobody repairs. Put both between "
                           "BEGIN and COMMIT.",
                           "no_transaction")
        first = next(place for place, difference in enumerate(differences) if difference)
        raised, is_refusal = ran.returned[first]
        if raised and not is_refusal:
            again = running.run_all([partial(function, *copy.deepcopy(cases[first]))], self.seconds)
            if again.stopped:
                verdict = self._stopped(again, cases[first:])
                return Verdict(verdict.outcome, f"{verdict.message} {differences[first].message}", verdict.label)
        wrong = {way: self._results(exercise, way, cases, editions.own) for way in exercise.wrong_ways}
        alike = [way for way, other in wrong.items() if not any(map(self.result.difference, left, other))]
        with_begin = [way for way in alike if [_began(held) for held in left] == [_began(held) for held in wrong[way]]]
        if not with_begin and raised and (differences[first].label == "open" or not _began(left[first])):
            return Verdict(Outcome.NOT_YET, self._uncaught(cases[first], raised, _began(left[first])), "refused")
        for way in with_begin or alike:
            return self._told(way, exercise.wrong_ways[way], left)
        failed = sum(difference is not None for difference in differences)
        fits = "none of the cases" if failed == len(cases) else f"{len(cases) - failed} of {len(cases)} cases"
        label = differences[first].label
        begin = f"It is right in {fits}. After {self._as_written(cases[first])}: "
        if label == "untouched" and all(map(_commits_early, left[:self.in_order])):
            return Verdict(Outcome.NOT_YET, begin + COMMIT_TOO_EARLY, "commit_too_early")
        why = f" Here {_obstacle(cases[first])}." if label == "touched" else ""
        return Verdict(Outcome.NOT_YET, begin + differences[first].message + why, label)

    def _told(self, way, feedback, left):
        """The verdict on a wrong way, unless what the database was told says that the cause is another one with the same result."""
        if way.__name__ in (*EACH_FOR_ITSELF, "committed_all_the_same") and all(map(_commits_early, left[:self.in_order])):
            return Verdict(Outcome.NOT_YET, COMMIT_TOO_EARLY, "commit_too_early")
        if way.__name__ in EACH_FOR_ITSELF and all(map(_began, left[:self.in_order])):
            return Verdict(Outcome.NOT_YET, "When the second statement is refused, the first is kept all the same: half a correction. "
                           f"{COMMITTED_ANYWAY}", "committed_all_the_same")
        if way.__name__ == "nothing_done" and any(re.search(r"patient_pk\s*=\s*'", told) for held in left if held for told in held["told"]):
            return Verdict(Outcome.NOT_YET, PID_IS_NO_KEY, "pid_as_key")
        return Verdict(Outcome.NOT_YET, feedback, way.__name__)

    def _uncaught(self, case, raised, began):
        message = f"For {self._as_written(case)} the database refused a statement, and your function stopped with its error: \"{raised}\"."
        if "FOREIGN KEY" in raised:
            return f"{message} {PID_IS_NO_KEY}"
        if not began:
            return (f"{message} There was no BEGIN, so what went before is kept: half a correction. Not everything can be looked up "
                    "beforehand. Put both statements into a transaction, and take it back when one of them is refused.")
        return (f"{message} Catch that with `except sqlite3.Error:` (`sqlite3.IntegrityError` alone is the refusal by a declared rule), "
                "and take back there what was done before; now a transaction stays open.")

    def _stopped(self, ran, cases):
        verdict = super()._stopped(ran, cases)
        if "IndexError" in ran.error or "NoneType" in ran.error:
            message = (f"{verdict.message} There is no such study or no such patient: the result of the look-up is empty (`[]`, or None "
                       "from `fetchone()`), so it has no `[0]`. Ask for that first, or look it up within the statement.")
            return Verdict(verdict.outcome, message, "empty")
        return verdict

    def _results(self, exercise, function, cases, hospital):
        def compute():
            copies = [copy.deepcopy(case) for case in cases]
            for case in copies:
                _raised(function, case)
            return [_contents(case[0]) for case in copies]

        return exercise.remembered((self, function), hospital, compute)

    def _as_written(self, case):
        full = f" (on a database whose disk is full when it comes to {case[0].refuses})" if case[0].refuses else ""
        return f"`{self.variables[0]}(db, {case[1]!r}, {case[2]!r})`{full}"


# The wrong ways that know no BEGIN.
EACH_FOR_ITSELF = ("each_for_itself", "update_first_each_for_itself", "looked_up_first", "looked_up_then_moved")
COMMITTED_ANYWAY = "There is a BEGIN, but after an error your function still comes to a COMMIT. Where an error is caught, ROLLBACK."
COMMIT_TOO_EARLY = (
    "Your COMMIT stands before a statement that belongs to the transaction, so that statement is on its own: when it is refused, what went "
    "before is kept, half a correction. COMMIT comes after both."
)
PID_IS_NO_KEY = (
    "`patient_pk` takes the patient's `pk`, the number that the database gave to the row. The `pid` is another column: no patient has it "
    "as key, so the foreign key is refused. Look up the `pk` of the patient with this `pid`."
)


def _raised(function, case):
    """Carry the function out; the text of the error that leaves it ("" for none), and whether it is one of the database."""
    try:
        function(*case)
    except Exception as error:
        return running.type_and_text(error)[1] or "no reason given", is_a(error, sqlite3.Error)
    return "", False


def _obstacle(case):
    """What stands in the way, in words; the case is one in which something does."""
    db, study_uid, pid = case
    study = db.execute("SELECT pk FROM study WHERE study_uid = ?", (study_uid,)).fetchone()
    if study is None:
        return "no study has this `study_uid`"
    if db.execute("SELECT pk FROM correction WHERE study_pk = ?", study).fetchone():
        return "the study has a correction already, and may not be moved again"
    if db.execute("SELECT pk FROM patient WHERE pid = ?", (pid,)).fetchone() is None:
        return "no patient has this `pid`"
    return "the database refuses a statement"


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
        if answer is None or other is None:
            return None if answer is other else Difference("Afterwards the database is closed, or one of its tables is gone.", "gone")
        if answer["open"] and not other["open"]:
            return Difference("A transaction is still open: each way through the function must end in COMMIT or ROLLBACK.", "open")
        if not answer["rules"]:
            return Difference("Afterwards the connection enforces no foreign keys any more (`PRAGMA foreign_keys`): whoever uses it next "
                              "makes orphans in silence.", "rules")
        tables = ("study", "correction")
        was, mine, right = ([held[table] for table in tables] for held in (answer["before"], answer, other))
        if mine == was != right:
            return Difference("Nothing is changed for good, though nothing stood in the way. If your `except` caught an error, "
                              "`print(error)` there shows what the database refused.", "untouched")
        if right == was != mine:
            return Difference("Something is changed for good, though the database should be as before.", "touched")
        if [row[:2] for row in answer["study"]] != [row[:2] for row in other["study"]]:
            return Difference("Afterwards a study is filed under another patient than it should be.", "study")
        if answer["correction"] != other["correction"]:
            few = len(answer["correction"]) < len(other["correction"])
            many = len(answer["correction"]) > len(other["correction"])
            what = "lacks a row" if few else "has a row that should not be there" if many else "has a row with a wrong value"
            return Difference(f"Afterwards the table `correction` {what}.", "correction")
        if answer["study"] != other["study"]:
            return Difference("Each study is filed as it should be, but you changed another column of `study` as well.", "more")
        if answer["open"] != other["open"] or answer["patient"] != other["patient"] or answer["schema"] != other["schema"]:
            return Difference("It changed something else as well.", "more")
        return None


def _contents(db):
    """What is in the database for good (an open transaction is taken back first), as a dict; None when that cannot be read."""
    try:
        told = list(db.told)
        still_open = db.in_transaction
        if still_open:
            db.execute("ROLLBACK")
        rules, = db.execute("PRAGMA foreign_keys").fetchone()
        held = {"open": still_open, "told": told, "rules": rules, "before": db.before, **_held(db)}
        db.close()
        return held
    except sqlite3.Error:
        return None


def _held(db):
    """The rows of the tables of a PracticeDatabase, and its declarations."""
    return {name: db.execute(f"SELECT {columns} FROM {table} ORDER BY 1").fetchall() for name, table, columns in (
        ("study", "study", "*"), ("correction", "correction", "study_pk, was_patient_pk"), ("patient", "patient", "*"),
        ("schema", "sqlite_master", "sql"))}


def _commits_early(held):
    """Whether a statement that changes rows came after the last COMMIT."""
    if held is None:
        return False
    verbs = [text.split()[0].casefold() for text in held["told"] if text.split() and not text.startswith("--")]
    return "commit" in verbs and any(verb in ("insert", "update") for verb in verbs[len(verbs) - verbs[::-1].index("commit"):])


def _began(held):
    """Whether a transaction was begun."""
    return held is not None and any(re.match(r"\s*(begin|savepoint)\b", text, re.IGNORECASE) for text in held["told"])


class Reasoned(Set):
    """A Set that says why the first value that does not belong does not, or what to look at when one is missing.

    reason : function of the exercise, the hospital, the values too many and those missing; a sentence, or ""
    """

    def __init__(self, variables, reading, reason):
        super().__init__(variables, reading)
        self.reason = reason

    def read(self, given):
        """The values; of rows of the log their events."""
        if is_library(given, "pandas", "DataFrame"):
            frame = sys.modules["pandas"].DataFrame(given)
            given = frame[["event"]] if list(frame.columns).count("event") == 1 else given
        return super().read(given)

    def judge(self, exercise, given, editions):
        """As for every Set, with the reason in place of the bare refusal."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label not in ("extra", "missing"):
            return verdict
        answer, right = self.read(*given), exercise.computed(exercise.solution, editions.own)
        extra, missing = [value for value in answer if value not in right], [value for value in right if value not in answer]
        sentence = self.reason(exercise, editions.own, extra, missing)
        if not sentence:
            return verdict
        more = f" (And {len(extra) - 1} more of yours.)" if len(extra) > 1 else ""
        also = " And at least one is missing." if extra and missing else ""
        return Verdict(Outcome.NOT_YET, sentence + more + also, verdict.label)


class HowMany(Number):
    """A number of things, which the rows themselves are not."""

    def read(self, given):
        """As for every Number."""
        rows = is_a(given, (list, set)) or is_library(given, "pandas", "DataFrame") or is_library(given, "pandas", "Series")
        if rows and len(given) > 1:
            raise Unreadable("You gave the rows or values themselves. Asked is how many they are: `len(...)` of them.")
        return super().read(given)


class Count(HowMany):
    """A number of things, for which "round only at the end" would make no sense.

    ways : function of the hospital: dict from a number that a likely mistake gives to what to say of it. Unlike wrong ways they may
           be the right number on some hospital.
    """

    def __init__(self, variables, ways):
        super().__init__(variables)
        self.ways = ways

    def judge(self, exercise, given, editions):
        """As for every Number, and with what the number tells."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label not in ("close", "value", "factor"):
            return verdict
        answer = self.read(*given)
        for number, sentence in self.ways(editions.own).items():
            if self.difference(answer, self.read(number)) is None:
                return Verdict(Outcome.NOT_YET, sentence, "told")
        if verdict.label == "close":
            return Verdict(Outcome.NOT_YET, "Close, but not it: a few are counted too many or too few. Look at both ends of the range, and "
                           "at what is left out.", "close")
        return verdict


class ColumnsByKey(Table):
    """A table of columns and their keys; also a dictionary, from columns to keys or from each key to its columns."""

    takes = "a table with the columns `column` and `key`, or a dictionary from each column to its key"
    keys = ("accession", "pid", "procedure_code", "station_aet")

    def read(self, given):
        """The table as Rows."""
        if is_a(given, dict):
            value = plain(given)
            if value and all(str(key).strip().casefold() in self.keys for key in value):
                columns = {key: held if isinstance(held, list) else [held] for key, held in value.items()}
                given = [(column, key) for key, held in columns.items() for column in held]
        rows = super().read(given)
        if rows.columns == ["", ""]:
            rows.columns = ["column", "key"]
        return rows

    def judge(self, exercise, given, editions):
        """As for every Table, but each column's wrong key is answered in the words of the exercise."""
        verdict = super().judge(exercise, given, editions)
        if verdict.label not in ("value", "extra row", "missing row", "repeated row"):
            return verdict
        right = self.read(exercise.computed(exercise.solution, editions.own))
        home = dict(right.rows)
        rows = [[str(cell).strip() for cell in row] for row in self._arranged(self.read(*given), right)]
        return Verdict(Outcome.NOT_YET, self._sentence(rows, home, exercise.lesson.input_of("ris_list", editions.own)), verdict.label)

    def _sentence(self, rows, home, ris_list):
        columns = [column.casefold() for column, _ in rows]
        strange = next((column for column in columns if column not in home), None)
        if strange is not None:
            return f"{short(strange)} is none of the eight columns."
        twice = next((column for column in columns if columns.count(column) > 1), None)
        if twice:
            return f"`{twice}` has two keys in your answer. One of them determines it directly."
        open_still = [column for column in home if column not in columns]
        for column, key in rows:
            sentence = self._about(column.casefold(), key.casefold(), home, ris_list)
            if sentence:
                return sentence
        has = "has" if len(open_still) == 1 else "have"
        return f"What you have is right, but {len(open_still)} of the eight columns {has} no key yet."

    def _about(self, column, key, home, ris_list):
        """What is wrong with this key of a column; "" when nothing is."""
        if key == home[column]:
            return ""
        if key not in self.keys:
            return (f"`{column}`: {short(key)} is no key in this list: two things may well share it, as two patients may share a name and "
                    "a birth date. Choose one of the four.")
        if key == "accession":
            return (f"`{column}`: an accession number does lead to it, and `depends` says True, but only by way of another column. Which "
                    "of the other three determines it *directly*?")
        return f"`{column}`: one `{key}` stands there with more than one `{column}`. Try `depends(ris_list, \"{key}\", \"{column}\")`."


DAY_LIST = """
    SELECT study_uid, description FROM study
    WHERE study_dt_local >= '2025-04-06' AND study_dt_local < '2025-04-07' AND deleted = 0
    ORDER BY study_dt_local
"""
ANOTHER_DAY = DAY_LIST.replace("2025-04-06", "2026-01-14").replace("2025-04-07", "2026-01-15")


class IndexFor(Text):
    """A CREATE INDEX statement, judged by what the database then does with a query, and with the same query of another day.

    It is read as "how the query is carried out | what the index is on". The two rows differ in their key and UID alone.
    """

    takes = "a CREATE INDEX statement, as text between quotes"

    def __init__(self, variables, query, another):
        super().__init__(variables)
        self.query, self.another = query, another

    def read(self, given):
        """How the query is carried out with this index, in a database with the archive's tables and two rows."""
        text = super().read(given)
        if not re.match(r"create\s+(unique\s+)?index\b", text, re.IGNORECASE):
            raise Unreadable(f"This exercise takes a statement that begins with CREATE INDEX; you gave {short(text, 40)}.")
        if re.match(r"create\s+(unique\s+)?index\s+(if\s+not\s+exists\s+)?on\s+[\w\"]+\s*\(", text, re.IGNORECASE):
            raise Unreadable("Your index has no name. It stands between INDEX and ON: `CREATE INDEX a_name ON ...`; any name will do.")
        db = _connect()
        try:
            for statement in schema.create_tables() + schema.create_indexes():
                db.execute(statement)
            before = {row[0] for row in db.execute("SELECT name FROM sqlite_master")}
            db.executemany(
                "INSERT INTO study (patient_pk, study_uid, accession, issuer_pk, study_dt_local, tz_offset, description, mods_in_study, "
                "n_series, n_instances, size_bytes, status, created_utc, exam_complete_utc, deleted) VALUES (1, ?, 'A1', 1, "
                "'2025-04-06 10:00:00', '+0200', 'X', 'CT', 1, 1, 1, 'READ', '2025-04-06 08:10:00', '2025-04-06 08:20:00', 0)",
                [("2.999.1",), ("2.999.2",)],
            )
            db.execute(text)
            on = [row for row in db.execute("SELECT name, tbl_name, sql FROM sqlite_master") if row[0] not in before]
            plan, later = ("; ".join(row[-1] for row in db.execute("EXPLAIN QUERY PLAN " + query)) for query in (self.query, self.another))
        except sqlite3.IntegrityError:
            raise Unreadable("With UNIQUE no two rows may agree in all columns of the index. But one order may lead to two studies that "
                             "begin in the same second; the archive could not store the second of them. Leave out UNIQUE.") from None
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise Unreadable(f"The database refuses it: {str(error).rstrip('.')}.") from None
        finally:
            db.close()
        found = re.search(r"SEARCH study.*", plan)
        if not on:
            raise Unreadable("No index was made: there is one of this name already. Give it another name.")
        columns = re.search(r"\bon\b\s*(.*)", on[0][2], re.IGNORECASE | re.DOTALL)[1]
        columns = re.sub(r"[\s\"'`\[\]]", "", columns.casefold())
        columns = re.sub(r"\w+\(study_dt_local.*", "computed", columns.removeprefix("study(")) if columns.startswith("study(") else columns
        columns = re.sub(r"^\w+,study_dt_local.*", "second place", columns)
        if found and "SEARCH study" not in later:
            return "SCAN | one day"
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
    desks, columns = ["ED desk", "CT room", "PACS desk"], ["patient", "description", "body side", "referrer"]
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
        first, second, field = draws.one(0, 2), draws.one(1, 2), draws.one(0, 3)
        first = 0 if place == 0 else first
        stand_for = {"A": desks[first], "B": desks[(first + second) % 3]}
        fields = {letter: columns[(field + step) % 4] for step, letter in enumerate("pqr")}
        if place == 0:
            fields["p"] = "accession"  # the ticket's: the ED's number is put back by a desk that changed something else
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
    # Rows numbered from 1, so that the number beside an event is the event's own.
    return pandas.DataFrame(table, columns=["event", "time", "who", "does", "study", "field"], index=range(1, len(table) + 1))


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


class WardList(Query):
    """A Query, tried on the planted database as well, whose message names a date that the database does not compare as a date."""

    def judge(self, exercise, given, editions):
        """As for every Query, but first of all the dates and keys, when the result is not right."""
        verdict = super().judge(exercise, given, editions.and_also(planted()))
        if verdict.correct and re.search(r"\blimit\s+\d+\s*;?\s*$", self.read(*given), re.IGNORECASE):
            return Verdict(Outcome.NOT_YET, "Today the rows are right. But the `LIMIT` would cut the list off on a busier day, and nobody "
                           "would see that an order is missing: leave it out.", "limit")
        if verdict.correct or verdict.label in ("unreadable", "refused"):
            return verdict
        sql = self.read(*given)
        note = self._note(exercise, sql, editions) if verdict.label == "only here" else ""
        if note:
            return Verdict(Outcome.NOT_YET, f"On your hospital's database the result is right, but not on every one.{note}", "case")
        bare = re.sub(r"'[^']*'|\"[^\"]*\"", "''", sql)
        if re.search(r"(?<![\w-])\d{4}-\d{1,2}-\d{1,2}", bare):
            return Verdict(Outcome.NOT_YET, "The date stands there without quotes, so the database subtracts: the year less the month less "
                           "the day. Every text comes after that number, so the condition is true for all rows.", "date_without_quotes")
        dates = re.findall(r"['\"](\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})", sql)
        if any(not re.fullmatch(r"\d{4}-\d\d-\d\d", date) for date in dates):
            return Verdict(Outcome.NOT_YET, "Dates are text here and are compared letter by letter. Only the form of the tables, "
                           "`YYYY-MM-DD` with the year first and two digits each for month and day, sorts as the days do.", "date_form")
        if re.search(r"04-03[ T]2\d:\d\d|localtime|'\+\s*[12] hours?'", sql, re.IGNORECASE):
            return Verdict(Outcome.NOT_YET, "You began at midnight by the hospital's clock. `ordered_utc` is in UTC, and the question "
                           "means that column as it is: from the day that stands in it.", "by_the_hospitals_clock")
        if "discharged" in sql.casefold() and "`location`" in verdict.message:
            return Verdict(Outcome.NOT_YET, "You leave `location` empty where the visit is over. Asked is the location of the visit to "
                           "which the order belongs, over or not.", "finished_visits")
        if re.search(r"(coalesce|ifnull|\bcase\b).*'(?!\d{4}-)[^']+'", sql, re.IGNORECASE | re.DOTALL) and "`location`" in verdict.message:
            return Verdict(Outcome.NOT_YET, "You put a word of your own where there is no visit. The list is to have an empty `location` "
                           "there: NULL, as the LEFT JOIN gives it, or an empty text.", "own_word")
        if re.search(r"\b\w+\.pk\s*=\s*\w+\.pk\b", sql, re.IGNORECASE):
            feedback = next(feedback for way, feedback in exercise.wrong_ways.items() if way.__name__ == "key_to_key")
            return Verdict(Outcome.NOT_YET, feedback, "key_to_key")
        if verdict.label == "equals_null" and not re.search(r"(=|<>|!=)\s*(null|''|\"\")", sql, re.IGNORECASE):
            return Verdict(Outcome.NOT_YET, "Your result is empty. Try the query without its WHERE, then without one JOIN after the other, "
                           "and see which of them leaves nothing: on one side of an ON stands a foreign key, on the other the primary key "
                           "to which it points.", "empty")
        return verdict

    def _note(self, exercise, sql, editions):
        """What is special about the planted orders that are not right; "" when ordinary ones are among them."""
        right = self._reference(exercise, exercise.solution, planted())
        arranged = self.result._arranged(*self._aligned(self._carried_out(sql, editions.asked(planted())), right))
        if isinstance(arranged, Difference):
            return ""
        mine, theirs = (Counter(self.result._cells(row, right.columns) for row in rows) for rows in (arranged, right.rows))
        place = right.columns.index("accession")
        return planted().note({str(row[place]) for row in (mine - theirs) + (theirs - mine)})


def _empty_or_missing(value):
    """An empty text counts as NULL."""
    return None if value is None or not str(value).strip() else value


@lesson.exercise
class TheWardList:
    """The night nurse's list: every order placed **on or after 4 April 2025** (`ordered_utc`), with the patient and where the patient is.

    One row for each order. Four columns: `accession` of the order, `pid` and `name` of the patient for whom it was ordered, and `location`
    of the visit to which the order belongs. Orders that were referred from outside have no visit; they must be in the list too, with an
    empty `location` (NULL or an empty text). The day is that of the column, in UTC. Your query is also tried on other databases.

    The answer is the text of the query between three quotes, `query = \"\"\"SELECT ...\"\"\"`; `pacs.sql(query)` shows what it gives.
    """

    answer = WardList("query", database="pacs", result=Table(key=["accession"], reading={"location": _empty_or_missing}))
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

    def patient_through_the_visit():
        return """
            SELECT orders.accession, patient.pid, patient.name, visit.location
            FROM orders LEFT JOIN visit ON visit.pk = orders.visit_pk LEFT JOIN patient ON patient.pk = visit.patient_pk
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

    def cancelled_left_out():
        return TheWardList.solution() + " AND orders.status <> 'CANCELLED'"

    def survivor_in_place():
        return """
            SELECT orders.accession, COALESCE(survivor.pid, patient.pid) AS pid, COALESCE(survivor.name, patient.name) AS name,
                visit.location
            FROM orders JOIN patient ON patient.pk = orders.patient_pk
            LEFT JOIN patient AS survivor ON survivor.pk = patient.merged_into
            LEFT JOIN visit ON visit.pk = orders.visit_pk WHERE orders.ordered_utc >= '2025-04-04'
        """

    def when_it_is_scheduled():
        return TheWardList.solution().replace("ordered_utc", "scheduled_local")

    def after_that_day():
        return TheWardList.solution().replace(">= '2025-04-04'", "> '2025-04-05'")

    def that_day_alone():
        return TheWardList.solution().replace(">= '2025-04-04'", "LIKE '2025-04-04%'")

    wrong_ways = {
        inner_join: "The orders from outside are missing. Their `visit_pk` is NULL, equal to no key, so a plain `JOIN` finds no partner "
        "for them and drops the row.",
        key_to_key: "The patients are strangers to these orders: you set one table's own `pk` equal to the other's. Each table counts "
        "its own rows; equal numbers mean nothing. A foreign key goes on one side, the primary key to which it points on the other.",
        any_visit_of_the_patient: "You look for the visit by the patient. So an order from outside gets a ward too, and where all visits "
        "are taken, an order stands there once for each, with wards of years ago. The order itself says to which visit it belongs.",
        patient_through_the_visit: "You reach the patient by way of the visit. An order from outside has no visit, so it has lost its "
        "patient too. The order itself says for whom it is: `orders.patient_pk`.",
        only_without_visit: "Those are the orders without a visit alone. The list is to hold the others too.",
        equals_null: "Your result is empty. A comparison with `= NULL`, or with empty quotes, is never true for a missing key. Besides, "
        "all orders are wanted, with a visit or without.",
        cancelled_left_out: "Cancelled orders are not in your list. *Every* order is asked; the nurse must see that one was taken back. "
        "(Your hospital may have none of these days; another has.)",
        survivor_in_place: "For a patient who was merged you show the record that survived. Asked is the patient for whom it was "
        "*ordered*, the one to whom the order points. (Your hospital may have no such order of these days; another has.)",
        when_it_is_scheduled: "You went by `scheduled_local`, the time for which the exam is planned. Asked are the orders *placed* from "
        "that day on, `ordered_utc`.",
        after_that_day: "The day itself is missing: *on or after* includes it. A date without a time stands for its midnight, so `>=` "
        "with the day itself takes all of it.",
        that_day_alone: "Those are the orders of that one day. *On or after* goes on to today.",
    }
    signs = {r"=\s*null": equals_null, r"join\s+patient\b[\w\s]*\bon\s+(\w+\.pk\s*=\s*)?v\w*\.patient_pk": patient_through_the_visit,
             r"^(?!.*\bon\b[^)]*\b(pk\s*=\s*\w+\.visit_pk|visit_pk\s*=\s*\w+\.pk)\b).*\b(visit|v)\.patient_pk": any_visit_of_the_patient}
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
    has, and which explanation fits best?** Give the number as `how_many`, and the letter. For the letter look at these rows themselves: at
    their `pk`, `study_pk` and `created_utc`, beside the lowest and highest `pk` of both tables.
    """

    answer = Choice(
        "what_happened, how_many",
        options={
            "A": "Nothing yet: the images are still being sent, and the rows of their studies will follow.",
            "B": "Users deleted these studies in the client; the archive hides them.",
            "C": "The studies came in the usual way, at the time that `created_utc` shows, and their rows were later deleted in the "
            "database itself; the series stayed behind.",
            "D": "The archive did not know the study, so it left `study_pk` empty (NULL).",
            "E": "The series were put in lately, whatever their time says, as by an import or a restore of which the series stayed and the "
            "studies did not.",
        },
        evidence=HowMany("how_many"),
    )
    points = 2
    praise = (
        "Among the studies nothing is missing in between; series were added that fit nowhere, and no declared foreign key objected. "
        "Whether their studies were never written or were taken back, the tables cannot say: the log of the last import, migration or "
        "restore may. No search that begins at the study will ever show these series."
    )

    def solution(pacs):
        found = pacs.sql("""
            SELECT series.pk
            FROM series
            LEFT JOIN study ON study.pk = series.study_pk
            WHERE study.pk IS NULL
        """)
        return "E", len(found)

    def still_arriving(pacs):
        return "A", None

    def deleted_by_users(pacs):
        return "B", None

    def left_empty(pacs):
        return "D", None

    def studies_removed(pacs):
        return "C", None

    def studies_without_series(pacs):
        return "E", pacs.rows("SELECT COUNT(*) FROM study LEFT JOIN series ON series.study_pk = study.pk WHERE series.pk IS NULL")[1][0][0]

    def series_of_deleted_studies(pacs):
        return "E", pacs.rows("SELECT COUNT(*) FROM series JOIN study ON study.pk = series.study_pk WHERE study.deleted = 1")[1][0][0]

    def all_series(pacs):
        return "E", pacs.rows("SELECT COUNT(*) FROM series LEFT JOIN study ON study.pk = series.study_pk")[1][0][0]

    def none_at_all(pacs):
        return "E", len(pacs.sql("SELECT series.pk FROM series JOIN study ON study.pk = series.study_pk WHERE study.pk IS NULL"))

    wrong_ways = {
        still_arriving: "The archive makes the row of a study with the first object that it receives, so a series never waits for its "
        "study. And look at `created_utc` of these series: most arrived long ago.",
        deleted_by_users: "A study that a user deletes stays in the table, with `deleted = 1`: its series still find their row. Those "
        "asked for find none.",
        left_empty: "`study_pk` is declared NOT NULL, so it cannot be empty. Each of these series holds a number, but no study has it.",
        studies_removed: "Rows that are deleted in between leave gaps among the keys, and `COUNT(*)`, `MIN(pk)` and `MAX(pk)` of `study` "
        "show none. At the upper end a removal leaves no gap; but what came years ago in the usual way has a low key. Look at "
        "`created_utc` of these series beside their `pk`: do they stand in `series` where series of those years stand?",
        studies_without_series: "The explanation is right; the number is that of the other direction, studies that have no series. "
        "Begin with `series` and look for a study.",
        series_of_deleted_studies: "The explanation is right; the number is that of series whose study is marked as deleted. Their "
        "study is still a row.",
        none_at_all: "The explanation is right, but there are some. A plain JOIN gives pairs only, so nothing in its result lacks a "
        "partner; and `series.study_pk` itself is never NULL: it holds a number that no study has. Use a LEFT JOIN, and ask for "
        "`study.pk IS NULL`.",
        all_series: "The explanation is right; the number is that of all series. Keep those for which the LEFT JOIN found nothing.",
    }
    hints = [
        "Series that have no partner in `study`: the pattern above, patients for whom nothing was ever ordered, with other tables.",
        "`FROM series LEFT JOIN study ON study.pk = series.study_pk` gives every series; where nothing fits, `study.pk` is NULL.",
        "Keep these rows with `WHERE study.pk IS NULL` and count them. The declaration of `study_pk` and the meaning of `deleted = 1` (see "
        "`pacs.columns(\"study\")`) rule out two of the letters.",
        "For the rest: keys are given out roughly in the order of arrival. `SELECT COUNT(*), MIN(pk), MAX(pk) FROM study` shows whether a "
        "row was removed in between. What was removed at the upper end would be the newest: are these series new? Compare their "
        "`created_utc` with their `pk`.",
    ]


def _why_refused(exercise, hospital, extra, missing):
    """Why the database does carry out the first statement too many, or which kind of rule refuses one that is missing."""
    statements, try_out = (exercise.lesson.input_of(name, hospital) for name in ("statements", "try_out"))
    for label in extra:
        statement = statements.get(label)
        if statement is None:
            return f"There is no statement `{label}`."
        if "DELETE FROM study" in statement:
            return (f"`{label}` goes through. A DELETE is refused only where another table declares REFERENCES to this one and has such a "
                    "row. Which table declares one to `study`?")
        if "UPDATE series" in statement:
            return f"`{label}` goes through. Look at the declaration of `series.study_pk`: what stands there, and what not?"
        if "= NULL" in statement:
            return f"`{label}` goes through. Is the column that it empties declared NOT NULL?"
        return f"`{label}` goes through. Is there a UNIQUE for this column, in its declaration or as an index?"
    kinds = {"NOT NULL": "an empty cell", "UNIQUE": "a value that is there already",
             "FOREIGN": "a key that would point to no row, in a row that is changed or in those that are left"}
    for rule, what in kinds.items():
        if any(rule in try_out(statements[label]) for label in missing):
            return f"What you have is right, but not all. Look once more for {what}, in every table that is declared above."
    return ""


@lesson.exercise
class WhatIsRefused:
    """Ten changes, `s1` to `s10`, each on its own. **Which of them does the database refuse?** Decide from the declarations above before
    you try one with `try_out(statements["s1"])`. Answer with a list of their labels, such as `["s1", "s2"]`.
    """

    answer = Reasoned("refused", label_of, _why_refused)
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
        "declaration of `series.study_pk`: nothing is declared, so nothing is enforced. That is how the ticket's series could come about.",
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
    `station_aet`? `depends(...)` helps. (It says True of `accession` and every column, for each order stands there once. Hence *directly*:
    is there one of the other three in between?)

    Two columns, `column` and `key`; a dictionary such as `{"name": "...", "sex": "..."}` does as well.
    """

    answer = ColumnsByKey("home", key=["column"])
    points = 2
    praise = "Four keys, four tables: each fact stands in one place, and there is only one place to correct it."

    def solution():
        return {
            "scheduled_local": "accession",    # the order's own
            "priority": "accession",
            "name": "pid",                     # the person's
            "birth_date": "pid",
            "sex": "pid",
            "procedure_desc": "procedure_code",
            "location": "station_aet",         # the device's
            "host": "station_aet",
        }

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
        procedure_by_the_order: "In this list the description is repeated with every order of the same code, and always the same: the code "
        "leads to it. (An archive may keep with the order what was ordered then, on purpose; this list does not.)",
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


def _why_lost(exercise, hospital, extra, missing):
    """Why the first event too many is not lost, or what a missing one has that the others may not have."""
    edits = exercise.lesson.input_of("edits", hospital)
    steps = {row["event"]: row for row in edits.to_dict("records")}
    for label in extra:
        step = steps.get(label)
        if step is None:
            return f"There is no event `{label}`."
        if step["does"] != "saves":
            return f"`{label}` is no save: nothing was written there, so nothing can be lost."
        later = [row for row in steps.values() if row["study"] == step["study"] and row["event"] > label and row["does"] == "saves"]
        if not later:
            return f"`{label}` is not lost: nobody saved {step['study']} after it. A form that is closed without saving writes nothing."
        return (f"`{label}` is not lost: whoever saved {step['study']} later had opened the form *after* it, and so saw it. Look when "
                "that form was opened.")
    pairs = [(one, later) for one, later in _blind(edits) if one["event"] in missing]
    if any(one["field"] == later["field"] for one, later in pairs):
        return ("What you have is right, but not all. Look for a save whose own field was written again by somebody who had not seen it: "
                "to overwrite without having seen is a loss, too.")
    return ("What you have is right, but not all. Look for a later save of *another* field, by a form that was open already: it writes the "
            "old values of all fields, over every save that came since.")


@lesson.exercise
class LostCorrections:
    """**Which of Saturday's saves were lost?** A save is lost when a later save of the same study came from somebody who had opened the
    study *before* and so never saw it: that form puts the old values back. Who overwrites a value after having seen it does so on
    purpose; nothing is lost then.

    Answer with a list of events, such as `["e01", "e02"]`.
    """

    answer = Reasoned("lost", event, _why_lost)
    points = 2
    praise = (
        "Nobody made a mistake that they could see. That is why the program has to notice it, and why such tickets come without an "
        "error message."
    )

    def solution(edits):
        unseen = {}  # for each open form (desk, study): the saves that it has not seen
        gone = []
        for who, does, study, event in zip(edits["who"], edits["does"], edits["study"], edits["event"]):
            if does == "opens":
                unseen[who, study] = []        # a form that was opened just now has seen everything
            if does == "saves":
                gone = gone + unseen[who, study]
                unseen[who, study] = []
                for form in unseen:            # the other desks' open forms do not see this save
                    if form != (who, study) and form[1] == study:
                        unseen[form].append(event)
        return gone

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
        "To go through the log by eye, study by study, is the right way; the solution shown later only does the same with a loop. "
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


LOOKED_UP = (
    "What you look up beforehand you get right. But the second statement may still be refused, for a reason that nobody can look up: a "
    "lock, a full disk, another program that was faster. Then the first one is kept: half a correction. Put both between BEGIN and COMMIT, "
    "with a ROLLBACK where the error is caught."
)


def _looked_up(db, study_uid, pid):
    """The rows of the study and of the patient; None when there is none, or when the study has a correction already."""
    study = db.execute("SELECT pk, patient_pk FROM study WHERE study_uid = ? AND pk NOT IN (SELECT study_pk FROM correction)",
                       (study_uid,)).fetchone()
    return study, db.execute("SELECT pk FROM patient WHERE pid = ?", (pid,)).fetchone()


@lesson.exercise
class FileUnder:
    """Write `file_under(db, study_uid, pid)`: the study with this `study_uid` is to be filed under the patient with this `pid`. **Both or
    nothing**:

    1. a row in `correction`: `study_pk`, and in `was_patient_pk` the patient under whom the study was filed *before*;
    2. the study's `patient_pk` points to the patient with this `pid`.

    If anything stands in the way (no such study, no such patient, a study that has a correction already), the database must be as before,
    and no transaction may be left open. That holds, too, when the database refuses one of the two statements for a reason that a look at
    the tables does not show, such as a lock or a full disk. What the function returns does not matter, nor whether it ends with an error.
    `pid` is never that of the patient under whom the study is filed already. It is tried on practice databases that you have not seen.
    """

    answer = ChangesTogether("file_under", in_order=11)
    points = 3
    praise = (
        "Correction and proof of it stand or fall together: whatever interrupts it, nobody will find half a correction. (If you built the "
        "statement's text from the values, with f\"...\": a quote in a value breaks it, or makes it another statement. Use `?` at work.)"
    )

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
        beginning = patients[5][0][:-1]  # no patient's number, but one begins with it
        studies = [(draw.randrange(8), f"2.999.200.7.{number}", draw.choice(["CT HEAD", "XR FOOT", "MR KNEE", "US ABDOMEN"]))
                   for number in draw.sample(range(10_000_000, 99_999_999), 14)]
        studies[13] = (studies[13][0], f"{studies[5][1]}0", studies[13][2])  # its UID begins with that of another
        db = _practice(patients, studies, [0, 1, 2])
        others = [[pid for place, (pid, _) in enumerate(patients) if place != of] for of, _, _ in studies]
        cases = [(db, studies[place][1], draw.choice(others[place])) for place in range(3, 14)]
        cases += [(db, studies[place][1], draw.choice(others[place])) for place in range(3)]
        cases += [(db, studies[place][1], f"HV{draw.randrange(300_000, 400_000)}") for place in (4, 8, 12)]
        cases += [(db, studies[9][1], beginning)]
        cases += [(db, f"2.999.200.8.{draw.randrange(10_000_000)}", draw.choice(patients)[0]) for _ in range(3)]
        for refuses in ("the UPDATE of study", "the INSERT into correction"):
            busy = _practice(patients, studies, [0, 1, 2], refuses)
            cases += [(busy, studies[place][1], draw.choice(others[place])) for place in (6, 10)]
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

    def committed_all_the_same(db, study_uid, pid):
        db.execute("BEGIN")
        try:
            db.execute("INSERT INTO correction (study_pk, was_patient_pk) "
                       "SELECT pk, patient_pk FROM study WHERE study_uid = ?", (study_uid,))
            db.execute("UPDATE study SET patient_pk = (SELECT pk FROM patient WHERE pid = ?) "
                       "WHERE study_uid = ?", (pid, study_uid))
        except sqlite3.Error:
            pass
        db.execute("COMMIT")

    def looked_up_first(db, study_uid, pid):
        study, patient = _looked_up(db, study_uid, pid)
        if study and patient:
            db.execute("INSERT INTO correction (study_pk, was_patient_pk) VALUES (?, ?)", study)
            db.execute("UPDATE study SET patient_pk = ? WHERE pk = ?", (patient[0], study[0]))

    def looked_up_then_moved(db, study_uid, pid):
        study, patient = _looked_up(db, study_uid, pid)
        if study and patient:
            db.execute("UPDATE study SET patient_pk = ? WHERE pk = ?", (patient[0], study[0]))
            db.execute("INSERT INTO correction (study_pk, was_patient_pk) VALUES (?, ?)", study)

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
        committed_all_the_same: "When the patient does not exist, the row in `correction` stays although the study was not moved: half a "
        f"correction. {COMMITTED_ANYWAY}",
        looked_up_first: LOOKED_UP,
        looked_up_then_moved: f"The study is moved, and then the note is refused. {LOOKED_UP}",
        never_committed: "A transaction is left open. Without COMMIT nothing of it is kept, and until the connection is closed it locks "
        "others out.",
        noted_too_late: "`correction` holds the new patient in place of the former one. Either the study had been moved when the row was "
        "written, or you put in the patient with this `pid`. Wanted is the study's `patient_pk` as it was before.",
        without_a_note: "The study is moved, but `correction` does not say where it was. Both belong together.",
        nothing_done: "Nothing is changed, not even when all is in order. Either no way leads to COMMIT, or a statement is refused each "
        "time and the `except` keeps that to itself: with `except sqlite3.Error as error:` and `print(error)` you see what the database "
        "says. Usual causes: an INSERT that does not name its columns (`pk` is one, and fills itself), a `?` without its value, a comma "
        "missing in `(study_uid,)`.",
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
    day in `day_list`, on this day and on any other, and that never keeps the archive from storing a study. The name of the index is up to
    you.
    """

    answer = IndexFor("statement", DAY_LIST, ANOTHER_DAY)
    points = 2
    praise = (
        "The screen asks for it every minute; now it reads the rows of one day, not of all years. The price: one more list to keep "
        "up with every arrival."
    )

    def solution():
        return "CREATE INDEX study_day ON study(study_dt_local)"

    def by_the_arrival():
        return "CREATE INDEX study_day ON study(created_utc)"

    def by_deleted():
        return "CREATE INDEX study_day ON study(deleted)"

    def in_second_place():
        return "CREATE INDEX study_day ON study(study_uid, study_dt_local)"

    def by_a_computed_day():
        return "CREATE INDEX study_day ON study(substr(study_dt_local, 1, 10))"

    def after_the_description():
        return "CREATE INDEX study_day ON study(description)"

    def for_one_day():
        return "CREATE INDEX study_day ON study(study_dt_local) WHERE study_dt_local >= '2025-04-06' AND study_dt_local < '2025-04-07'"

    wrong_ways = {
        by_the_arrival: "That is the time of arrival, for which there is an index already. The condition of `day_list` is on the time "
        "of the exam.",
        by_deleted: "Nearly every study has `deleted = 0`: this index leads to nearly all rows of the table. An index pays where the "
        "value picks out few rows.",
        in_second_place: "The day stands in second place. As a telephone book, sorted by family name, does not help to find all Annas, "
        "an index finds a range only in its first column, or behind columns that the query fixes with `=`.",
        by_a_computed_day: "This index sorts the result of a computation. The query asks for the bare column, and for the database that "
        "is something else.",
        after_the_description: "The query does not ask for a description, it only shows it. The index must be on the column that the "
        "condition names.",
        for_one_day: "The index has a WHERE of its own that names a date, so that the database uses it for the list of this one day. The "
        "list is asked for anew every day, and tomorrow this index is of no use to it. Leave its WHERE out.",
    }
    hints = [
        "Which column stands in the condition of `day_list` with `>=` and `<`?",
        "The form is `CREATE INDEX a_name ON the_table(the_column)`.",
        "Try it on your copy: `own_copy.sql(\"CREATE INDEX ...\")`, then `own_copy.sql(\"EXPLAIN QUERY PLAN \" + day_list)`. You look "
        "for SEARCH with the column of the condition in brackets. `own_copy.fresh()` gives you the copy as it was.",
    ]


def _queries(hospital):
    """Numbers of requests that a mistake gives."""
    studies = _in_those_days(hospital.pacs, "COUNT(*)")
    series = _in_those_days(hospital.pacs, "SUM(n_series)")
    short_of_a_day = _in_those_days(hospital.pacs, "SUM(study_dt_local <= '2025-04-06')")
    deleted = hospital.pacs.rows("SELECT COUNT(*) FROM study WHERE study_dt_local >= '2025-03-31' AND study_dt_local < '2025-04-07'"
                                 )[1][0][0]
    one_per_series = ("That is one request per series. A request on the level SERIES for one study brings *all* its series in its answers; "
                      "nobody has to ask for each of them.")
    patients = _in_those_days(hospital.pacs, "COUNT(DISTINCT patient_pk)")
    by_patient = "You went patient by patient. In Study Root there is no such level: the first request brings the studies of all of them."
    return {
        2: "One request on the level SERIES does not bring the series of all studies: it must name one study.",
        patients + 1: by_patient,
        patients + studies: by_patient,
        patients + studies + 1: by_patient,
        7: "One request per day cannot bring series: on the level SERIES a request names one study, not a day.",
        8: "After the studies you asked once per day. But on the level SERIES a request must name one study; it cannot name a day.",
        studies + 7: "You asked for the studies day by day. Study Date can be matched as a range: one request does for all the days.",
        deleted: "Two things: deleted studies are in your number, which no answer names, and the request with which it began is not.",
        series: one_per_series,
        series + 1: one_per_series,
        short_of_a_day: "Two things: the last day is missing, because a text with a time sorts after the bare date; and so is the request "
        "with which it began.",
        _arrived(hospital.pacs) + 1: "You went by the arrival in the archive, `created_utc`. Asked are the exams of these days, by "
        "`study_dt_local`.",
    }


def _arrived(pacs):
    return pacs.rows("SELECT COUNT(*) FROM study WHERE created_utc >= '2025-03-31' AND created_utc < '2025-04-07' AND deleted = 0")[1][0][0]


@lesson.exercise
class HowManyQueries:
    """The regional exchange wants a list of **all series of the exams of 31 March to 6 April 2025**, both days included
    (`study_dt_local`), and may only ask over DICOM: Study Root, without relational queries. It asks for the studies of these days at
    once, with a range of dates, and then for series. **How many C-FIND requests does it send in all?** The archive answers with the
    studies that are not deleted.
    """

    answer = Count("requests", _queries)
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


def _unknown(hospital):
    """Numbers of instances that a mistake gives."""
    pieces = lesson.input_of("log_files", hospital)
    start, end = _gap(pieces)
    began = list(pieces["from_utc"])[list(pieces["to_utc"]).index(start)]
    return {
        _received(hospital.pacs, f"created_utc >= '{start}' AND created_utc < '{end}'"): "Those are the instances of the lost piece alone. "
        "Without it the pieces behind it cannot be replayed either, so what came later is unknown as well.",
        _received(hospital.pacs, f"created_utc >= '{end}'"): "You began to count behind the gap. The database gets as far as the last "
        "piece *before* it, so what arrived in the lost piece is unknown, too.",
        _received(hospital.pacs, f"created_utc >= '{began}'"): "You began with `from_utc` of the last good piece. That piece is replayed "
        "to its end, so what it holds is known again.",
        _received(hospital.pacs, f"created_utc < '{start}' AND created_utc >= '{pieces['from_utc'].iloc[0]}'"): "Those are the instances "
        "that the replayed pieces bring back. Asked are those that stay unknown.",
        _received(hospital.pacs, f"created_utc < '{start}'"): "Those are the instances that the restored database does know. Asked are the "
        "others.",
        **{_received(hospital.pacs, f"created_utc >= datetime('{start}', '{hours} hours')"):
           "You went by the hospital's clock. `to_utc` and `created_utc` are both in UTC: compare them as they are."
           for hours in ("-2", "+2")},
    }


@lesson.exercise
class AfterTheRestore:
    """On Monday at 07:30 (05:30 UTC) the database's disk fails; those with the images are whole. There is the full backup of
    `backup_taken_utc` and what is in `log_files`. **How many instances that the archive had received will the restored database not
    know?** The table `instance` of `pacs` shows what the lost database held: count the rows that came after the moment to which it can be
    restored.
    """

    answer = Count("unknown", _unknown)
    points = 2
    praise = (
        "These objects are on disk and in no table: until somebody has them read in again, for every user they do not exist. Before that "
        "restore, look for the lost piece elsewhere (another backup, the replica), and save the tail of the log, which no piece holds yet, "
        "if it can still be read."
    )

    def solution(pacs, log_files):
        expected = log_files["sequence"][0]
        for number, to_utc in zip(log_files["sequence"], log_files["to_utc"]):
            if number == expected:         # as long as none is missing; after a gap every number is higher
                restored_to = to_utc
                expected = expected + 1
        return len(pacs.sql("SELECT pk FROM instance WHERE created_utc >= '" + restored_to + "'"))

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


SUNDAY, TODAY, LATER = "2025-04-06 10:00:00", "2025-04-07 05:20:00", "2026-03-02 05:20:00"


class Planted:
    """A small archive's database, as a hospital has it in `pacs`, in which rare cases occur.

    notes : what is special about a row, by its UID or accession number, as it goes on after "Think of"
    """

    seed, studies = "planted_2", 15  # a copy on another server is known by both: a change of the rows needs another seed

    def __init__(self):
        self._db = _connect()
        self.notes = {}
        for statement in schema.create_tables() + schema.create_indexes():
            self._db.execute(statement)
        for pk, (pid, merged_into) in enumerate((("X1", None), ("X2", 1), ("X3", None), ("HVTMP0042", None)), 1):
            name = f"X^Y{pk}"
            self._put("patient", pk=pk, pid=pid, name=name, name_norm=name, created_utc=SUNDAY, updated_utc=SUNDAY, merged_into=merged_into)
        for pk, tier in enumerate(("ONLINE", "NEARLINE", "OFFLINE"), 1):
            self._put("filesystem", pk=pk, mount=f"/x{pk}", tier=tier, capacity_bytes=1)
        self._studies()
        self._series()
        self._instances()
        self._orders()
        self._db.execute("PRAGMA query_only=ON")
        self.pacs = self

    def _studies(self):
        """Studies with a series and without, some of whose counters are wrong."""
        for pk, more, note in (
            (1, {}, ""),
            (2, {"n_series": 2}, ""),
            (3, {"n_series": 0}, ""),
            (4, {"n_series": 0, "deleted": 1}, "a deleted study: it is looked at like the others."),
            (5, {"deleted": 1}, "a deleted study that has its series: nothing is missing there."),
            (6, {"n_series": 2}, "a study whose series are gone while `n_series` still says 2."),
            (7, {"n_series": 0}, "a study whose `n_series` says 0 while it has a series."),
            (8, {"patient_pk": 2}, "a study of a patient record that was merged into another: it is looked at like the others."),
            (9, {"created_utc": TODAY}, "a study that came this morning, or comes tomorrow: the check runs every night."),
            (10, {"created_utc": LATER}, "a study that came this morning, or comes tomorrow: the check runs every night."),
            (11, {"n_instances": 0}, "a study whose one series is empty: it has a series."),
            (12, {"deleted": 1}, "a deleted study that has its series: nothing is missing there."),
            (13, {"created_utc": "2020-12-04 08:00:00"}, "a study of years ago."),
            (14, {"patient_pk": 3, "study_uid": "2.999.4.22", "accession": "A22"}, ""),
            (50, {}, ""),
        ):
            row = {"patient_pk": 1, "study_uid": f"2.999.1.{pk}", "study_dt_local": SUNDAY, "tz_offset": "+0200", "n_series": 1,
                   "n_instances": 1, "size_bytes": 1, "status": "READ", "created_utc": SUNDAY, "deleted": 0, **more}
            self._put("study", pk=pk, **row)
            self._note(row["study_uid"], note)

    def _series(self):
        """Series of these studies, and series that point to none."""
        among = "a series whose `study_pk` lies among the keys of `study`, below the highest one: a row in between was deleted."
        rows = [(1, 1, {}, ""), (2, 2, {}, ""), (3, 2, {}, ""), (4, 5, {}, "a series of a deleted study: its study is a row."),
                (5, 7, {}, ""), (6, 99, {}, ""), (7, 20, {}, among), (8, 20, {}, "two series of one lost study: both are to be listed."),
                (9, 99, {}, "a series without a study that does hold instances."),
                (10, 98, {"n_instances": 0}, "a series without a study that is empty besides."),
                (11, 97, {"created_utc": "2020-12-04 08:00:00"}, "a series of years ago."),
                (12, 96, {"created_utc": LATER}, "a series that comes tomorrow: the check runs every night."),
                (13, 11, {"n_instances": 0}, ""), (14, 12, {}, "a series of a deleted study: its study is a row."), (15, 14, {}, ""),
                (16, 50, {}, "")]
        rows += [(pk, pk, {"created_utc": f"202{pk % 5 + 1}-03-04 08:00:00"}, "") for pk in range(101, 161)]
        for pk, study, more, note in rows:
            self._put("series", pk=pk, study_pk=study, series_uid=f"2.999.2.{pk}", series_no=1, modality="CT",
                      **{"n_instances": 1, "size_bytes": 1, "created_utc": SUNDAY, **more})
            self._note(f"2.999.2.{pk}", note)

    def _instances(self):
        """Instances with and without a good copy: each copy as its status and, where it is not 1, its file system."""
        same_uid = "two instances with one SOP Instance UID, which no rule forbids: one has its file, the other has none."
        other_disk = "an instance whose only good copy lies on another file system, nearline or on tape: it has a file."
        recent = "an instance that came this morning, or comes tomorrow: the check runs every night."
        for pk, copies, more, note in (
            (1, ["OK"], {}, ""),
            (2, ["OK", "OK"], {}, ""),
            (3, ["OK", "MISSING"], {}, "an instance with two copies, one of them MISSING: it has a file."),
            (4, ["MISSING"], {}, ""),
            (5, [], {}, ""),
            (6, [], {"rejected_code": "113001"}, "a rejected instance: it is looked at like the others."),
            (7, ["OK"], {"rejected_code": "113038"}, ""),
            (8, ["MISSING"], {"rejected_code": "113001"}, "a rejected instance: it is looked at like the others."),
            (9, ["OK"], {}, ""),
            (10, [], {"sop_uid": "2.999.3.9"}, same_uid),
            (11, [], {"series_pk": 9}, "an instance without a file whose series has itself no study: both breaks are to be listed."),
            (12, ["OK"], {"series_pk": 9}, ""),
            (13, ["MISSING", "MISSING"], {}, "an instance with two copies that are both MISSING: it has no file, and is listed once."),
            (14, ["OK 2"], {}, other_disk),
            (15, ["MISSING", "OK 3"], {}, other_disk),
            (16, [], {"series_pk": 14}, "an instance of a deleted study: it is looked at like the others."),
            (17, [], {"created_utc": TODAY}, recent),
            (18, ["MISSING"], {"created_utc": LATER}, recent),
            (19, ["MISSING", "MISSING 2", "OK"], {}, "an instance with three copies, one of them good: it has a file."),
            (20, [], {"created_utc": "2020-12-04 08:00:00"}, "an instance of years ago."),
        ):
            row = {"series_pk": 1, "sop_uid": f"2.999.3.{pk}", "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2", "created_utc": SUNDAY, **more}
            self._put("instance", pk=pk, **row)
            self._note(row["sop_uid"], note)
            for copied in copies:
                status, _, disk = copied.partition(" ")
                self._put("file", instance_pk=pk, filesystem_pk=int(disk or 1), path="x", size_bytes=1, ts_uid="1.2.840.10008.1.2.1",
                          sha256="0" * 64, status=status)

    def _orders(self):
        """Orders with and without a visit, on both sides of a midnight, and ordinary ones."""
        for pk, (name, oid) in enumerate((("X", "2.999.1"), ("Z", "2.999.2")), 1):
            self._put("issuer", pk=pk, name=name, oid=oid)
        for pk, (patient, discharged) in enumerate(((1, None), (1, None), (2, None), (1, "2025-04-05 12:00:00")), 1):
            self._put("visit", pk=pk, patient_pk=patient, visit_number=f"V{pk}", location=f"WARD {pk}", admitted_local=SUNDAY,
                      discharged_local=discharged, **{"class": "I"})
        twice = "an accession number that two hospitals use: two orders, so two rows."
        end = "an order that was placed this morning, or is placed later: the question names no last day."
        rows = [
            (11, {"ordered_utc": "2025-04-04 00:00:00", "visit_pk": 2, "status": "COMPLETED"}, "an order of the first second of that day."),
            (12, {"ordered_utc": "2025-04-05 08:00:00", "patient_pk": 2, "visit_pk": 3},
             "an order for a patient record that was merged: asked is the patient to whom the order points."),
            (13, {"patient_pk": 3, "status": "CANCELLED"}, "a cancelled order: it is an order, too."),
            (14, {"patient_pk": 3, "ordered_utc": "2025-04-03 23:59:59"}, "an order of the last second before that day."),
            (15, {"patient_pk": 2, "ordered_utc": "2025-04-05 09:00:00", "status": "CANCELLED"}, "a cancelled order: it is an order, too."),
            (16, {"visit_pk": 1}, ""),
            (19, {"issuer_pk": 2}, "an order whose accession number another hospital gave: *every* order is asked."),
            (17, {"accession": "A17"}, twice),
            (18, {"accession": "A17", "issuer_pk": 2, "patient_pk": 3}, twice),
            (20, {"ordered_utc": TODAY}, end),
            (21, {"ordered_utc": "2025-05-02 09:00:00"}, end),
            (22, {}, "an order whose study is filed under another patient than it was ordered for: asked is the order's patient."),
            (23, {"patient_pk": 4}, "an order for an unknown patient of the ED, with a temporary number: *every* order is asked."),
            (24, {"visit_pk": 4}, "an order whose visit is over: `location` is that of the visit all the same."),
        ]
        rows += [(pk, {"visit_pk": None if pk % 3 else 1}, "") for pk in range(1001, 1041)]
        for pk, more, note in rows:
            row = {"patient_pk": 1, "placer_number": f"P{pk}", "accession": f"A{pk}", "issuer_pk": 1, "procedure_code": "X",
                   "procedure_desc": "X", "modality": "CT", "priority": "ROUTINE", "ordered_utc": SUNDAY,
                   "scheduled_local": "2025-04-10 10:00:00", "station_aet": "CT1", "study_uid": f"2.999.4.{pk}",
                   "status": "SCHEDULED", **more}
            self._put("orders", pk=pk, **row)
            self._note(row["accession"], note)

    def note(self, keys):
        """What is special about the first of these rows, as a sentence that begins with a blank; "" when one of them is ordinary."""
        keys = {key.casefold() for key in keys}
        noted = [(key, note) for key, note in self.notes.items() if key in keys]
        return f" Think of {noted[0][1]}" if noted and len(noted) == len(keys) else ""

    def _note(self, key, note):
        if note:
            self.notes[key.casefold()] = note

    def _put(self, table, **values):
        self._db.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", list(values.values()))

    def connect(self):
        """A copy of it."""
        connection = _connect()
        self._db.backup(connection)
        return connection

    def rows(self, sql, seconds=None, most=None):
        """The columns' names and the rows."""
        try:
            cursor = self._db.execute(sql)
            return [column[0] for column in cursor.description], cursor.fetchall()
        except sqlite3.Error as error:
            raise CourseError(f"On a small database the query stops: {error}.") from None


@cache
def planted():
    """The one planted database."""
    return Planted()


class Check(Query):
    """The query of the nightly check, tried on the planted database as well, and diagnosed part by part."""

    problems = ("series without study", "study without series", "instance without file")

    def _carried_out(self, sql, hospital):
        """With more time than other queries have: a NOT EXISTS is slow here, but not wrong."""
        return Rows(*getattr(hospital, self.database).rows(sql, seconds=8, most=MOST_ROWS))

    def judge(self, exercise, given, editions):
        """As for every Query; when no wrong way fits the whole, the first part that is not right, by itself."""
        more = editions.and_also(planted())
        verdict = super().judge(exercise, given, more)
        if verdict.label == "refused" and re.search(r"\bexists\b", str(given[0]), re.IGNORECASE) and "too long" in verdict.message:
            return Verdict(Outcome.NOT_YET, "It takes too long. A NOT EXISTS on `file` reads that whole table once for every instance, "
                           "because `instance_pk` has no index. Say the same with `NOT IN (SELECT instance_pk FROM file WHERE ...)` or "
                           "with a LEFT JOIN.", "exists")
        left_out = {"no_series": self.problems[0], "no_studies": self.problems[1], "no_files": self.problems[2]}.get(verdict.label)
        if left_out and left_out in str(given[0]).casefold():
            part = next(part for part in re.split(r"\bunion\b", str(given[0]).casefold()) if left_out in part)
            if _asks_of_the_partner(part):
                return Verdict(Outcome.NOT_YET, f"The part `{left_out}` gives no row. A condition on the partner's columns stands in its "
                               "WHERE, beside the question for `NULL`: where no partner was found, all of the partner's columns are NULL, "
                               "so both are never true at once. What makes a partner good stands in the ON.", "condition_in_where")
            if re.search(r"\bjoin\b", part) and not re.search(r"\bleft\b|\bnot\b", part):
                joined = next(feedback for way, feedback in exercise.wrong_ways.items() if way.__name__ == "joined")
                return Verdict(Outcome.NOT_YET, f"In the part `{left_out}`: {joined}", "joined")
            return Verdict(Outcome.NOT_YET, f"The part `{left_out}` gives no row. Try it by itself, and leave out one condition after the "
                           "other: which of them leaves nothing?", "no row")
        if verdict.correct or verdict.label in ("unreadable", "refused", "missing column", "extra column") or verdict.label in {
                way.__name__ for way in exercise.wrong_ways}:
            return verdict
        return self._by_parts(exercise, self.read(*given), more) or verdict

    def _by_parts(self, exercise, sql, editions):
        hospitals = editions.all()
        right = [self._parts(self._reference(exercise, exercise.solution, hospital), None) for hospital in hospitals]
        got = [self._parts(self._carried_out(sql, editions.asked(hospital)), self._reference(exercise, exercise.solution, hospital))
               for hospital in hospitals]
        if None in got:
            return None
        strange = next((name for parts in got for name in parts if name not in self.problems), None)
        if strange is not None:
            return Verdict(Outcome.NOT_YET, f"In the column `problem` stands {short(strange)}, which is none of the three texts.",
                           "problem")
        for name in self.problems:
            if [parts.get(name) for parts in got] == [parts.get(name) for parts in right]:
                continue
            for other in self.problems:
                if other != name and [parts.get(name) for parts in got] == [parts.get(other) for parts in right]:
                    return Verdict(Outcome.NOT_YET, f"Under `{name}` stand those that belong under `{other}`: the texts of two parts have "
                                   "changed places.", "swapped")
            for way, feedback in exercise.wrong_ways.items():
                if (way.__name__ in ("no_series", "no_studies", "no_files")) == (name in sql.casefold()):
                    continue
                wrong = [self._parts(self._reference(exercise, way, hospital), None) for hospital in hospitals]
                if [parts.get(name) for parts in got] == [parts.get(name) for parts in wrong]:
                    where = "" if way.__name__ in ("no_series", "no_studies", "no_files") else f"In the part `{name}`: "
                    return Verdict(Outcome.NOT_YET, where + feedback, way.__name__)
            return Verdict(Outcome.NOT_YET, self._what_differs(name, got, right), "part")
        return None

    def _what_differs(self, name, got, right):
        place = next(place for place in range(len(got)) if got[place].get(name) != right[place].get(name))
        mine, theirs = got[place].get(name, Counter()), right[place].get(name, Counter())
        note = planted().note((got[-1].get(name, Counter()) - right[-1][name]) + (right[-1][name] - got[-1].get(name, Counter())))
        where = note if place == 0 else " On your hospital's data that part is right, but not on other data." + (
            note or " It may hold something that is only true here, such as a key, a day or a number of rows.")
        if set(mine) == set(theirs):
            return f"In the part `{name}` some are listed more than once: a JOIN gives a row for each pair.{where}"
        if mine - theirs and theirs - mine:
            return f"In the part `{name}` some are listed that are in order, and some are missing.{where}"
        how = "some are listed that are in order" if mine - theirs else "some are missing"
        return f"In the part `{name}` {how}.{where}"

    def _parts(self, rows, wanted):
        """The UIDs of each problem, as a Counter; None when the rows do not have the two columns."""
        if wanted is not None:
            answer, wanted = self._aligned(rows, wanted)
            arranged = self.result._arranged(answer, wanted)
        else:
            arranged = rows.rows
        if isinstance(arranged, Difference):
            return None
        parts = {}
        for problem, uid in arranged:
            parts.setdefault(str(problem).strip().casefold(), Counter())[str(uid).strip()] += 1
        return parts


def _asks_of_the_partner(part):
    """Whether a part with a LEFT JOIN has a condition in its WHERE on a column of the partner other than its key."""
    joined = re.search(r"\bleft\s+(?:outer\s+)?join\s+(\w+)(?:\s+(?:as\s+)?(\w+))?\s+on\b", part)
    condition = re.split(r"\bwhere\b", part)[-1] if re.search(r"\bwhere\b", part) else ""
    names = "|".join(filter(None, joined.groups())) if joined else ""
    return bool(joined) and bool(re.search(rf"\b({names})\.(?!pk\b)\w+", condition)
                                 or joined[1] == "file" and re.search(r"(?<!\.)\bstatus\b", condition))


@lesson.exercise
class TheNightlyCheck:
    """Write the check that shall run every night: **one query that lists every break**, in two columns, `problem` and `uid`:

    - `'series without study'`, with the `series_uid`: no row of `study` has its `study_pk`;
    - `'study without series'`, with the `study_uid`: no row of `series` points to it;
    - `'instance without file'`, with the `sop_uid`: it has no file whose status is `OK`, be it that it has none at all or that all are
    `MISSING`.

    Deleted studies, merged patients and rejected instances are looked at like the others, and a good copy on any file system will do. Each
    break is listed once, and each by itself: a series without a study may hold an instance without a file. The table `file` has no index
    on `instance_pk`: LEFT JOIN and NOT IN manage without, a `NOT EXISTS` reads the whole table once per instance and takes its time.
    Your query is also tried on a small database with rare cases, such as rows that were deleted in between, or that came this morning.
    """

    answer = Check("query", database="pacs", result=Table(), named=True)
    points = 4
    praise = (
        "The monitor knew of one kind of break and named no row; yours names every one of three kinds. Put it in the nightly job, and the "
        "next ticket of this kind comes from you."
    )

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

    def any_missing_copy():
        return _check("SELECT sop_uid FROM instance LEFT JOIN file ON instance_pk = instance.pk "
                      "WHERE file.pk IS NULL OR status = 'MISSING'")

    def without_a_missing_copy():
        return _check("SELECT sop_uid FROM instance WHERE pk NOT IN (SELECT instance_pk FROM file WHERE status = 'MISSING')")

    def rejected_left_out():
        return _check("SELECT sop_uid FROM instance WHERE rejected_code IS NULL AND pk NOT IN "
                      "(SELECT instance_pk FROM file WHERE status = 'OK')")

    def deleted_left_out():
        return _check(studies="SELECT study_uid FROM study WHERE deleted = 0 AND pk NOT IN (SELECT study_pk FROM series)")

    def by_the_counter():
        return _check(studies="SELECT study_uid FROM study WHERE n_series = 0")

    def by_counter_and_rows():
        return _check(studies="SELECT study_uid FROM study WHERE n_series = 0 AND pk NOT IN (SELECT study_pk FROM series)")

    def by_uid():
        return _check("SELECT sop_uid FROM instance LEFT JOIN file ON instance_pk = instance.pk GROUP BY sop_uid "
                      "HAVING SUM(CASE WHEN status = 'OK' THEN 1 ELSE 0 END) = 0")

    def no_series():
        return _check(series=None)

    def no_studies():
        return _check(studies=None)

    def no_files():
        return _check(instances=None)

    wrong_ways = {
        only_no_file_at_all: "The instances whose file is `MISSING` are not in your list: they have a row in `file`, but nothing on disk.",
        only_missing_files: "The instances with no row in `file` at all are not in your list. With a plain join they have no partner; "
        "after a LEFT JOIN `status` is NULL, and `NULL <> 'OK'` is not true. Put the status into the ON, and ask which found nothing.",
        those_with_a_file: "For the instances you listed those that *have* a good file.",
        deleted_as_gone: "You took the series of deleted studies for series without a study. A deleted study is still a row; these "
        "series are in order.",
        any_missing_copy: "An instance may have two copies, one OK and one `MISSING`. It has a good file, but your condition looks "
        "at each copy by itself and lists it. Ask whether there is *any* copy with the status OK.",
        without_a_missing_copy: "You looked for a partner with the status `MISSING` and listed what has none: that is every instance whose "
        "file is in order. The partner to look for is the good file.",
        rejected_left_out: "Rejected instances without a good file are not in your list. Their file must be there as well until somebody "
        "deletes them by the rules; the question asks to look at them like the others.",
        deleted_left_out: "Deleted studies without series are not in your list. To be hidden from users is no excuse: the question asks to "
        "look at them like the others.",
        by_the_counter: "`n_series` is a counter that a program keeps; when it is wrong, you believe it. A check must count the rows "
        "themselves: is there a row of `series` that points to the study?",
        by_counter_and_rows: "With the counter as a second condition, a study whose series are gone while `n_series` still says otherwise "
        "is left out, and that is the very break to find. The rows alone decide.",
        by_uid: "You took together what has one `sop_uid`. That should be unique, but no rule makes it so: of two instances with the same "
        "UID one may have its file and hide that the other has none. Go by the key, `instance.pk`.",
        no_series: "The part with the series that have no study is missing.",
        no_studies: "The part with the studies that have no series is missing.",
        no_files: "The third part is missing: instances without a good file.",
        joined: "That gives no row: a plain JOIN gives pairs only, and you look for what has no partner.",
    }
    hints = [
        "Write three queries, one per kind of break, and try each by itself. Each has the shape of exercise 2: LEFT JOIN and IS NULL.",
        "A constant text is a column too: `SELECT 'series without study' AS problem, series.series_uid AS uid FROM ...`. Put `UNION "
        "ALL` between the queries.",
        "For the files: what makes a partner good stands in the ON, `LEFT JOIN file ON file.instance_pk = instance.pk AND file.status = "
        "'OK'`; then ask, as before, where nothing was found.",
    ]


def _check(instances="SELECT sop_uid FROM instance WHERE pk NOT IN (SELECT instance_pk FROM file WHERE status = 'OK')",
           series="SELECT series_uid FROM series WHERE study_pk NOT IN (SELECT pk FROM study)",
           studies="SELECT study_uid FROM study WHERE pk NOT IN (SELECT study_pk FROM series)"):
    """The nightly check with other parts: each a query that gives UIDs, or None to leave it out."""
    parts = {"series without study": series, "study without series": studies, "instance without file": instances}
    queries = [f"SELECT '{name}' AS problem, part.* FROM ({query}) AS part" for name, query in parts.items() if query]
    return "WITH found (problem, uid) AS (" + " UNION ALL ".join(queries) + ") SELECT problem, uid FROM found"
