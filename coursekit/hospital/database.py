"""The PACS database of a hospital: SQLite, read-only, with sentences instead of tracebacks."""

import difflib
import hashlib
import re
import sqlite3
import threading
import time
import urllib.parse
from pathlib import Path

from coursekit.errors import CourseError
from coursekit.hospital import schema

MOST_ROWS = 2_000_000


class DatabaseSaysNo(CourseError):
    """A statement that the database did not run: what is wrong with it, and what to try."""


def write(connection, tables, progress=None):
    """Create the tables and indexes of the schema in an empty database and fill them.

    `tables` yields (table, parts), as ``records.Archive.tables`` does; each part is some rows as {column: list}, where
    one Kinds may stand for several columns. A column pk that is not given counts the rows from 1. `progress`, if given,
    is called with (done, total, text).
    """
    for setting in ("page_size=8192", "journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE",
                    "cache_size=-2000", "threads=2"):          # sorting for an index is fastest in the processor's own cache
        connection.execute(f"PRAGMA {setting}")
    steps = len(schema.TABLES) + len(schema.INDEXES)
    connection.execute("BEGIN")
    for statement in schema.create_tables():
        connection.execute(statement)
    for done, (name, parts) in enumerate(tables):
        if progress:
            progress(min(done, len(schema.TABLES) - 1), steps, f"table {name}")        # a large edition has each table several times
        stored = None
        for columns in parts:
            for kinds in columns:
                if isinstance(kinds, Kinds) and kinds is not stored:
                    kinds.store(connection)
                    stored = kinds
            insert(connection, name, columns)
    connection.execute("DROP TABLE IF EXISTS temp.kind")
    for done, statement in enumerate(schema.create_indexes(), len(schema.TABLES)):
        if progress:
            progress(done, steps, "indexes")
        connection.execute(statement)
    connection.execute("COMMIT")
    if progress:
        progress(steps, steps, "done")


class Kinds:
    """Columns that have few combinations of values: instead of them a row has the number of its combination.

    To hand each value of each row to SQLite is most of the work of filling a table; this saves it.

    Parameters
    ----------
    columns : sequence of str
    values : list of tuple
        For each combination its number, then the values of the columns.
    """

    def __init__(self, columns, values):
        self.columns, self.values = tuple(columns), values

    def store(self, connection):
        """Put them into a temporary table, from which ``insert`` takes them."""
        connection.execute("DROP TABLE IF EXISTS temp.kind")
        connection.execute(f"CREATE TEMP TABLE kind (number INTEGER PRIMARY KEY, {', '.join(self.columns)})")
        connection.executemany(f"INSERT INTO kind VALUES (?{', ?' * len(self.columns)})", self.values)


def insert(connection, table, columns):
    """Insert the rows {column: list}, many with one statement: to begin a statement costs as much as half a row."""
    width, together = len(columns), 100
    values = [None] * (width * len(next(iter(columns.values()))))
    for place, column in enumerate(columns.values()):
        values[place::width] = column
    targets, sources, join = [], [], ""
    for place, name in enumerate(columns, 1):
        if isinstance(name, Kinds):
            targets += name.columns
            sources += [f"kind.{column}" for column in name.columns]
            join = f" CROSS JOIN temp.kind ON number = column{place}"
        else:
            targets.append(name)
            sources.append(f"column{place}")
    row = f"({', '.join('?' * width)})"
    rest = len(values) - len(values) % (width * together)
    for count, places in ((together, range(0, rest, width * together)), (1, range(rest, len(values), width))):
        connection.executemany(
            f"INSERT INTO {table} ({', '.join(targets)}) SELECT {', '.join(sources)} FROM (VALUES {', '.join([row] * count)}){join}",
            (values[place:place + width * count] for place in places))


def content_digest(connection, table):
    """SHA-256 over the rows of `table` in key order, independent of how SQLite stores them: 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for row in connection.execute(f"SELECT * FROM {table} ORDER BY rowid"):
        line = "\x1f".join(["\x00" if value is None else str(value) for value in row])
        digest.update(line.encode("utf-8") + b"\x1e")
    return digest.hexdigest()


def open_file(path):
    """A read-only connection to the database file `path`, which nobody changes while it is open."""
    place = Path(path).resolve().as_posix()
    # An empty authority, then the path from its root: right for /home/..., C:/... and //server/share/...
    address = "file://" + urllib.parse.quote(place if place.startswith("/") else "/" + place, safe="/:")
    connection = sqlite3.connect(address + "?mode=ro&immutable=1", uri=True, check_same_thread=False)
    connection.execute("PRAGMA query_only=ON")
    return connection


class Database:
    """The PACS database of one hospital.

    Parameters
    ----------
    path : Path, optional
        The database file.
    tables : iterable, optional
        The tables (``records.Archive.tables``), to be kept in memory, when there is no file.

    Attributes
    ----------
    path : Path or None
        The file; None if the database is in memory.
    described : tuple of schema.Table
        Its tables, with what they mean.
    """

    described = schema.TABLES

    def __init__(self, path=None, tables=None):
        self.path = path
        self._lock = threading.Lock()
        self._own = None
        if path is None:
            self._own = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
            write(self._own, tables)
            guard(self._own)

    def __repr__(self):
        return f"<PACS database: {len(self.described)} tables; see .tables() and .columns('study')>"

    def connect(self):
        """A new read-only ``sqlite3.Connection``, yours to close; usable in any thread.

        A database in memory is copied for each connection: nothing done to one reaches another.
        """
        if self.path is not None:
            return open_file(self.path)
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        with self._lock:
            self._own.backup(connection)
        connection.execute("PRAGMA query_only=ON")
        return connection

    def __deepcopy__(self, memo):
        return self  # nothing can be changed through it

    def rows(self, text, seconds=None, most=MOST_ROWS):
        """Run one statement that reads; its column names and its rows, as (list of str, list of tuple).

        Each call has a connection of its own, so nothing that was done to another can disturb it.

        Raises
        ------
        DatabaseSaysNo
            If the statement is wrong or would change data (nothing is ever changed), takes longer than `seconds`, or gives
            more than `most` rows.
        """
        if not isinstance(text, str):
            raise DatabaseSaysNo(f"The statement must be text in quotes; it was given {type(text).__name__}.")
        if not text.strip():
            raise DatabaseSaysNo("The statement is empty; begin with SELECT, for example SELECT * FROM study LIMIT 5.")
        try:
            columns, rows = self._carried_out(text, seconds, most + 1)
        except DatabaseSaysNo:
            if set(text) & set("\u2018\u2019\u201c\u201d"):
                raise DatabaseSaysNo("The statement has typographic quotes, which SQL does not know, perhaps pasted from a word "
                                     "processor; type straight ones, as in 'CT'.") from None
            if set(re.sub("'[^']*'", "", text)) & set("\u00a0\u202f\u2007\u200b\ufeff"):
                raise DatabaseSaysNo("The statement has non-breaking or invisible blanks, which SQL does not know, perhaps pasted from a "
                                     "word processor or a mail; type its blanks anew.") from None
            raise
        if columns is None:
            raise DatabaseSaysNo("That statement returns no rows; ask with SELECT.")
        if len(rows) > most:
            raise DatabaseSaysNo(f"The result has more than {most:,} rows; is a condition missing, or the ON of a JOIN?")
        return columns, rows

    def _carried_out(self, text, seconds, most):
        """The columns' names (None if there is no result) and the first `most` rows. Raises DatabaseSaysNo."""
        connection = guard(self.connect(), seconds)
        try:
            cursor = connection.execute(text)
            rows = cursor.fetchmany(most)
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            raise DatabaseSaysNo(explain(str(error), self.described)) from None
        finally:
            connection.close()
        return cursor.description and [column[0] for column in cursor.description], rows

    def scanned(self, text):
        """The first table that the query `text` would read as a whole, or "". Raises DatabaseSaysNo as `rows` does."""
        aliases = {match[2]: match[1] for match in re.finditer(r"\b(?:from|join)\s+(\w+)(?:\s+as)?\s+(\w+)", text, re.IGNORECASE)}
        for *_, step in self.rows(f"EXPLAIN QUERY PLAN {text}")[1]:
            match = re.match(r"SCAN (?:TABLE )?(\w+)", step)
            if match:
                return aliases.get(match[1], match[1])
        return ""

    def visited(self, text):
        """About how many rows the query `text`, which `rows` has carried out, looks at: for comparing queries of one result.

        SQLite does not say, but calls back after so many steps of its program; passing over a row takes about five.
        """
        connection, calls = guard(self.connect()), [0]

        def called():
            calls[0] += 1
            return calls[0] > 1_000_000

        connection.set_progress_handler(called, 50)
        try:
            connection.execute(text).fetchall()
        except sqlite3.OperationalError:                       # stopped by `called`: so many rows are answer enough
            pass
        finally:
            connection.close()
        return 10 * calls[0]

    def sql(self, text):
        """Run one statement that reads, and return its rows as a DataFrame. Raises DatabaseSaysNo as `rows` does."""
        import pandas
        # pandas cuts texts at 50 characters, and a UID may have 64
        pandas.set_option("display.max_colwidth", 200)
        columns, rows = self.rows(text)
        return pandas.DataFrame(rows, columns=columns)

    def tables(self):
        """The tables: a DataFrame with columns table, rows, meaning."""
        import pandas
        pandas.set_option("display.max_colwidth", 200)
        return pandas.DataFrame(
            [(table.name, int(self.sql(f"SELECT count(*) FROM {table.name}").iat[0, 0]), table.meaning)
             for table in self.described], columns=["table", "rows", "meaning"])

    def columns(self, table):
        """The columns of `table`: a DataFrame with columns column, type, meaning."""
        import pandas
        by_name = {one.name: one for one in self.described}
        if table not in by_name:
            raise DatabaseSaysNo(f"There is no table {table!r}.{did_you_mean(table, by_name)}")
        pandas.set_option("display.max_colwidth", 200)
        return pandas.DataFrame([(column.name, column.type.split()[0], column.meaning)
                                 for column in by_name[table].columns], columns=["column", "type", "meaning"])


def guard(connection, seconds=None):
    """Make `connection` fit for a learner's statements, and return it; after `seconds` a statement is stopped."""
    stop = time.monotonic() + seconds if seconds else float("inf")
    connection.execute("PRAGMA query_only=ON")
    connection.set_authorizer(allow_reading)
    # Calling Python now and then also lets the notebook's stop button end a long query.
    connection.set_progress_handler(lambda: time.monotonic() > stop, 100_000)
    return connection


HARMLESS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
READING_PRAGMAS = {"table_info", "table_xinfo", "table_list", "index_list", "index_info", "foreign_key_list"}


def allow_reading(action, first, second, *_):
    """SQLite asks this about every part of a statement: reading is allowed, nothing else."""
    if action in HARMLESS or action == sqlite3.SQLITE_PRAGMA and first.lower() in READING_PRAGMAS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def did_you_mean(word, known):
    """' Did you mean ...?' with the nearest of `known`, or ''."""
    known = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.55)
    return f" Did you mean {known[near[0]]}?" if near else ""


READ_ONLY = ("This database is read-only: the statement would change it or its settings, and was not run; "
             "ask with SELECT.")
ONE_AT_A_TIME = "That is more than one statement; run one at a time, with at most one semicolon, at its end."
TOO_LONG = ("The query took too long and was stopped. It may be right all the same, but a busy archive can't wait for it: does every "
            "JOIN have its ON, can the conditions use an index, and would a LEFT JOIN be faster than NOT IN?")
ENDS_TOO_EARLY = "The statement ends too early: a parenthesis, a quote or a clause is still open."


def explain(message, tables=schema.TABLES):
    """One sentence for a message of SQLite about a database with these tables: what, why, what next."""
    if message in ("not authorized", "attempt to write a readonly database") or message.startswith("authoriz"):
        return READ_ONLY
    if "one statement at a time" in message:
        return ONE_AT_A_TIME
    if message == "interrupted":
        return TOO_LONG
    found = re.match(r"no such table: (?:main\.)?(\S+)", message)
    if found:
        return no_table(found[1], tables)
    found = re.match(r"no such column: (.+)", message)
    if found:
        return no_column(found[1], tables)
    found = re.match(r"ambiguous column name: (\S+)", message)
    if found:
        return ambiguous(found[1])
    found = re.match(r'near "(.*)": syntax error', message, re.DOTALL)
    if found:
        return stops_at(found[1])
    if message.startswith("unrecognized token"):
        return f"SQL cannot read {message.split(': ', 1)[1]}; is a quote still open, or a character out of place?"
    if message.startswith("incomplete input"):
        return ENDS_TOO_EARLY
    return f"The database refused the statement: {message}."


def no_table(name, tables):
    """The sentence for a table that is none of `tables`."""
    return f"There is no table {name}.{did_you_mean(name, [table.name for table in tables])} The method .tables() lists them."


def no_column(name, tables):
    """The sentence for a column that the tables of the statement do not have."""
    having = [table.name for table in tables if any(column.name.lower() == name.split(".")[-1].lower() for column in table.columns)]
    if having:
        return (f"There is no column {name} in the tables this statement reads; {', '.join(having)} "
                f"{'has' if len(having) == 1 else 'have'} one: is the table, or its alias, in FROM?")
    every = sorted({column.name for table in tables for column in table.columns})
    return f"There is no column {name}.{did_you_mean(name.split('.')[-1], every)} The method .columns(...) lists those of a table."


def ambiguous(name):
    """The sentence for a column that several tables of the statement have."""
    return f"More than one table has a column {name}; write the table or its alias before it, as in study.pk."


def stops_at(word):
    """The sentence for a word at which the grammar does not fit."""
    return f"SQL does not read on at {word!r}; look at that word and the one before it."
