"""Query: SQL text, carried out on the learner's database and on hospitals that the learner has not seen."""

import difflib
import re
import sqlite3
import time

from coursekit.checking.kinds.base import Kind
from coursekit.checking.kinds.table import Rows, Table
from coursekit.checking.reading import Unclear, describe, plain
from coursekit.checking.verdict import Outcome, Verdict

MOST_ROWS = 100_000
SECONDS = 3.0
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_CHANGES = re.compile(
    r"^\s*(insert|update|delete|drop|alter|create|replace|truncate|attach|detach|vacuum|reindex|pragma|begin|commit|rollback|"
    r"grant|analyze|savepoint|release|merge)\b",
    re.IGNORECASE,
)
_ENDLESS_WITH = re.compile(r"\b(insert\s+into|update\s+\w+\s+set|delete\s+from|replace\s+into)\b", re.IGNORECASE)


class Refused(Exception):
    """The database didn't carry the query out; the text is a sentence for the learner."""


class Query(Kind):
    """SQL text.

    variables : the learner's variable
    database  : the hospital's attribute that has a `connect()` giving a read-only sqlite3 connection
    result    : the Table (or one-column Table) that the query's result is compared as; columns by name, or by place when
                the names differ
    uses_index: True when the query must find its rows by an index instead of reading the whole table

    The query runs read-only and for three seconds at most.
    """

    takes = "an SQL query, as text between quotes"

    def __init__(self, variables="query", database="pacs", result=None, uses_index=False):
        super().__init__(variables)
        self.database = database
        self.result = result or Table()
        self.uses_index = uses_index

    def read(self, given):
        """The SQL text."""
        value = plain(given)
        if type(value) is not str:
            raise Unclear(describe(given))
        if not value.strip():
            raise Unclear("empty text")
        if len(value) > 20_000:
            raise Unclear(f"a text of {len(value):,} characters")
        return value

    def judge(self, exercise, given, editions):
        """The verdict on the query, on the learner's hospital first and then on the unseen ones."""
        try:
            sql = self.read(*given)
        except Unclear as unclear:
            return Verdict(Outcome.NOT_YET, f"This exercise takes {self.takes}; you gave {unclear}.", "unreadable")
        got = []
        difference = None
        for number, hospital in enumerate(editions.all()):
            try:
                rows = self._carried_out(sql, hospital)
            except Refused as refused:
                return Verdict(Outcome.NOT_YET, str(refused), "refused")
            got.append(rows)
            difference = self.result.difference(*self._aligned(rows, self._reference(exercise, exercise.solution, hospital)))
            if difference is not None:
                break
        if difference is None:
            if self.uses_index:
                table = self._scanned(sql, editions.own)
                if table:
                    return Verdict(
                        Outcome.NOT_YET,
                        f"The result is right, but the database reads the whole table `{table}` to find it. On a busy archive "
                        "that hurts: write the condition so that an index can be used (`EXPLAIN QUERY PLAN` shows it).",
                        "full scan",
                    )
            return Verdict(Outcome.CORRECT, exercise.praise, "correct", exercise.points)
        hospitals = editions.all()[: len(got)]
        for way, feedback in exercise.wrong_ways.items():
            wrong = [self._reference(exercise, way, hospital) for hospital in hospitals]
            if all(self.result.difference(*self._aligned(a, b)) is None for a, b in zip(got, wrong, strict=True)):
                return Verdict(Outcome.NOT_YET, feedback, way.__name__)
        if number:
            return Verdict(
                Outcome.NOT_YET,
                "On your hospital's database the result is right, but on another hospital's it is not. Your query may hold "
                f"something that is only true here, such as a key or a name. There: {difference.message}",
                "only here",
            )
        return Verdict(Outcome.NOT_YET, difference.message, difference.label)

    def _reference(self, exercise, function, hospital):
        """The result of the solution's or a wrong way's query, remembered per hospital."""
        return exercise.remembered(
            (self, function), hospital, lambda: self._carried_out(exercise.computed(function, hospital), hospital)
        )

    def _carried_out(self, sql, hospital):
        if _CHANGES.match(_without_comments(sql)) or (
            _without_comments(sql).lower().lstrip().startswith("with") and _ENDLESS_WITH.search(_without_comments(sql))
        ):
            raise Refused(
                "This statement would change the database, so it was not carried out and nothing has changed. Ask with SELECT; "
                "the PACS's own tools are the place to change data."
            )
        try:
            connection = getattr(hospital, self.database).connect()
        except Exception as problem:
            raise Refused(f"The database can't be opened: {problem}") from None
        try:
            return _select(connection, sql)
        finally:
            connection.close()

    def _aligned(self, answer, other):
        """The answer with the other result's column names when as many columns have other names."""
        ours = [name.casefold() for name in other.columns]
        if len(answer.columns) == len(other.columns) and sorted(map(str.casefold, answer.columns)) != sorted(ours):
            answer = Rows(list(other.columns), answer.rows)
        return answer, other

    def _scanned(self, sql, hospital):
        """The first table of the database that the query reads as a whole, or ""."""
        connection = getattr(hospital, self.database).connect()
        try:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
            aliases = {match[2]: match[1] for match in re.finditer(r"\b(?:from|join)\s+(\w+)(?:\s+as)?\s+(\w+)", sql, re.I)}
        finally:
            connection.close()
        for step in steps:
            match = re.match(r"SCAN (?:TABLE )?(\w+)", step)
            if match:
                table = aliases.get(match[1], match[1])
                if table in tables:
                    return table
        return ""


def _select(connection, sql):
    """Carry out one SELECT; Refused with a sentence when it can't be."""
    stop = time.monotonic() + SECONDS
    connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY)
    connection.set_progress_handler(lambda: time.monotonic() > stop, 20_000)
    try:
        cursor = connection.execute(sql)
        if cursor.description is None:
            raise Refused("This is no query that gives a result: start with SELECT.")
        rows = cursor.fetchmany(MOST_ROWS + 1)
        if len(rows) > MOST_ROWS:
            raise Refused(
                f"The query gives more than {MOST_ROWS:,} rows. Is a condition missing, or does a join pair each row with every "
                "other?"
            )
        return Rows([column[0] for column in cursor.description], rows)
    except (sqlite3.Error, sqlite3.Warning, ValueError, UnicodeError) as problem:
        connection.set_authorizer(None)
        connection.set_progress_handler(None, 0)
        raise Refused(_in_words(str(problem), connection)) from None


def _in_words(problem, connection):
    """SQLite's complaint as a sentence that says what to do."""
    if "interrupted" in problem:
        return (
            f"The query was stopped after {SECONDS:.0f} seconds. Look for a join without a condition, or a condition that keeps "
            "the database from using an index."
        )
    if "one statement" in problem:
        return "That is more than one statement. Give a single SELECT; only a `;` at its very end is allowed."
    if "not authorized" in problem or "readonly" in problem or "prohibited" in problem:
        return "Only reading is allowed here, so this was not carried out and nothing has changed. Ask with SELECT."
    match = re.search(r"no such (column|table): (.+)", problem)
    if match:
        return f"The database knows no {match[1]} `{match[2]}`.{_meant(match[1], match[2], connection)}"
    match = re.search(r'near "(.*)": syntax error', problem)
    if match:
        return f"SQL does not understand the statement at `{match[1]}`. Look just before it: a comma, quote or keyword too many or too few?"
    if "incomplete input" in problem:
        return "The statement ends too early: is a closing bracket or quote missing?"
    return f"The database says: {problem}."


def _meant(kind, name, connection):
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    known = tables
    if kind == "column":
        known = [row[1] for table in tables for row in connection.execute(f'PRAGMA table_info("{table}")')]
    close = difflib.get_close_matches(name.split(".")[-1].casefold(), known, n=1, cutoff=0.6)
    if close:
        return f" Did you mean `{close[0]}`?"
    return f" Its tables are {', '.join(tables)}." if kind == "table" else ""


def _without_comments(sql):
    return re.sub(r"--[^\n]*|/\*.*?\*/", " ", sql, flags=re.DOTALL)
