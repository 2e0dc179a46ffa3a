"""The PACS database of a hospital on a PostgreSQL server: loaded once, read-only, with the sentences of ``database``.

Each edition lies in a schema of its own, ``coursekit_SEED_STUDIES``. It is loaded in one transaction, with a comment at the schema that
says what was loaded; so there is a whole edition or none, and one that an older course has loaded is noticed and made again.
"""

import hashlib
import json
import re
from decimal import Decimal

from coursekit import __version__
from coursekit.errors import CourseError
from coursekit.hospital import database, schema
from coursekit.hospital.database import DatabaseSaysNo

HOW = "postgresql://USER:PASSWORD@localhost:5432/DATABASE"
PATIENCE = 5  # seconds for a server to answer
ASKED = "DECLARE asked NO SCROLL CURSOR FOR "


class NoServer(CourseError):
    """PostgreSQL cannot be used as it was asked for: what is in the way, and what to do."""


class Server:
    """A database on a PostgreSQL server, in which editions of the hospital are kept.

    Parameters
    ----------
    address : str
        A connection string of libpq, in the form of HOW.
    progress : function, optional
        Called with (done, total, text) while an edition is loaded.

    Raises NoServer when psycopg is missing, or the server does not let us in.
    """

    def __init__(self, address, progress=None):
        try:
            import psycopg
        except ImportError:
            raise NoServer("Python's driver for PostgreSQL is not installed: run  python -m pip install \"coursekit[postgresql]\"  in a "
                           "terminal (or %pip install \"psycopg[binary]\" in a cell), then restart the kernel.") from None
        self.psycopg, self._address, self._progress = psycopg, address, progress
        with self.connect() as connection:
            encoding = connection.info.parameter_status("server_encoding")
            # The comment that __init__ of an edition compares, for all schemas at once.
            self._marked = dict(connection.execute(
                "SELECT nspname, coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_namespace WHERE nspname LIKE 'coursekit%'"
            ).fetchall())
        if encoding != "UTF8":
            raise NoServer(f"That database keeps text as {encoding}, in which not every name can be written; make another with  CREATE "
                           "DATABASE course ENCODING 'UTF8' TEMPLATE template0  and give its name in the address.")

    def connect(self):
        """A new connection, in a transaction that its owner ends. Raises NoServer."""
        try:
            return self.psycopg.connect(self._address, connect_timeout=PATIENCE, client_encoding="utf8", application_name="coursekit")
        except self.psycopg.Error as error:
            raise NoServer(why_not(error)) from None

    def database(self, hospital):
        """The PACS database of `hospital` on this server: a Database. It is loaded first if it is not there, or not whole.

        hospital : has `seed`, `studies`, and `pacs` with `connect()` to SQLite

        Raises NoServer when it cannot be loaded.
        """
        name = f"coursekit_{hospital.seed}_{hospital.studies}"
        if not self._whole(name):
            try:
                self._load(name, hospital)
            except self.psycopg.errors.InsufficientPrivilege:
                raise NoServer("That account may not create anything in the database; let its owner run  GRANT CREATE ON DATABASE ... TO "
                               "...  with the names of the database and of the account.") from None
            except self.psycopg.Error as error:
                raise NoServer(f"The hospital could not be loaded into PostgreSQL: {first_line(error)}; nothing was kept.") from None
        return Database(self, name)

    def _whole(self, name):
        """Whether the schema holds what this course would load, with as many rows."""
        mark, _, rows = self._marked.get(name, "").rpartition(" ")
        if mark != MARK.format(made_of()):
            return False
        count = " + ".join(f"(SELECT count(*) FROM {name}.{table.name})" for table in schema.TABLES)
        with self.connect() as connection:
            try:
                return str(connection.execute(f"SELECT {count}").fetchone()[0]) == rows
            except self.psycopg.Error:         # a table is gone
                return False

    def _load(self, name, hospital):
        source, done, names = hospital.pacs.connect(), 0, ", ".join(table.name for table in schema.TABLES)
        try:
            total = sum(source.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0] for table in schema.TABLES)
            with self.connect() as connection:
                # Another notebook may be at it: it waits here, and makes it once more.
                connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [name])
                connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
                connection.execute(f"CREATE SCHEMA {name}")
                connection.execute(f"SET LOCAL search_path TO {name}")
                for statement in create_tables():
                    connection.execute(statement)
                for table in schema.TABLES:
                    columns = ", ".join(column.name for column in table.columns)
                    with connection.cursor().copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:
                        for row in source.execute(f"SELECT {columns} FROM {table.name} ORDER BY rowid"):
                            if done % 20_000 == 0:
                                self._tell(done, total, f"{name}: {table.name}")
                            copy.write_row(row)
                            done += 1
                self._tell(done, total, f"{name}: keys and indexes")
                for statement in (*add_keys(), *schema.create_indexes(), f"ANALYZE {names}"):
                    connection.execute(statement)
                mark = f"{MARK.format(made_of())} {total}"
                connection.execute(f"COMMENT ON SCHEMA {name} IS '{mark}'")
            self._marked[name] = mark
            self._tell(total, total, "done")
        finally:
            source.close()

    def _tell(self, done, total, text):
        if self._progress:
            self._progress(done, total, text)


MARK = "coursekit {}"


def made_of():
    """A digest of what an edition is made by: the course's version, the statements for its tables, the generator's product for seed 0."""
    from coursekit.hospital import edition
    content = edition.read_descriptor(edition.default_folder())["content"]
    parts = [__version__, *create_tables(), *add_keys(), *schema.create_indexes(), *content.values()]
    return hashlib.sha256("\n".join(parts).encode("utf-8")).hexdigest()[:16]


def column_type(column):
    """The type of a schema's column in PostgreSQL: its first word; texts are sorted by their characters, as in SQLite."""
    if column.type.split()[0] == "INTEGER":
        return "BIGINT" if column.name.endswith("_bytes") else "INTEGER"
    return 'TEXT COLLATE "C"'


def create_tables():
    """One CREATE TABLE statement per table, without foreign keys: a list of str."""
    statements = []
    for table in schema.TABLES:
        columns = [f"{column.name} {column_type(column)} {column.type.partition(' ')[2].partition('REFERENCES')[0]}".rstrip()
                   for column in table.columns]
        statements.append(f"CREATE TABLE {table.name} (\n  " + ",\n  ".join(columns) + "\n)")
    return statements


def add_keys():
    """One statement per foreign key, for tables that are filled: a list of str."""
    return [f"ALTER TABLE {table.name} ADD FOREIGN KEY ({column.name}) {column.type[column.type.index('REFERENCES'):]}"
            for table in schema.TABLES for column in table.columns if "REFERENCES" in column.type]


class Database(database.Database):
    """The PACS database of one hospital on a PostgreSQL server."""

    def __init__(self, server, name):
        self._server, self._name = server, name

    def __repr__(self):
        return f"<PACS database on PostgreSQL: {len(self.described)} tables; see .tables() and .columns('study')>"

    def connect(self):
        """A new connection (psycopg) in a transaction that only reads and only sees this hospital; yours to close."""
        connection = self._server.connect()
        connection.read_only = True
        connection.execute(f"SET LOCAL search_path TO {self._name}; SET LOCAL TimeZone TO 'UTC'; SET LOCAL DateStyle TO ISO; "
                           "SET LOCAL jit TO off; SET LOCAL cursor_tuple_fraction TO 1")
        if connection.info.parameter_status("is_superuser") == "on" and connection.info.server_version >= 140_000:
            connection.execute("SET LOCAL ROLE pg_read_all_data")       # who may do anything is not to do it by a slip
        for kind in ("date", "time", "timetz", "timestamp", "timestamptz", "interval", "uuid", "json", "jsonb"):
            connection.adapters.register_loader(kind, connection.adapters.get_loader(
                connection.adapters.types["text"].oid, self._server.psycopg.pq.Format.TEXT))
        return connection

    def _carried_out(self, text, seconds, most):
        """As for SQLite. Every statement has a connection of its own, and its transaction is taken back."""
        if OUTSIDE.search(bare(text)):
            raise DatabaseSaysNo("That function reaches beyond the tables of this database, and the statement was not run; ask with SELECT "
                                 "for what the tables hold.")
        if not bare(text):
            return None, []
        connection = self.connect()
        try:
            connection.execute(f"SET LOCAL statement_timeout TO {int((seconds or 0) * 1000)}")
            with connection.cursor() as cursor:
                plan = re.match(r"\s*EXPLAIN\b", bare(text), re.IGNORECASE)
                # Prepared, because the server then takes one statement and no second one behind a semicolon.
                cursor.execute(text if plan else ASKED + text, prepare=True)
                if not plan:
                    cursor.execute(f"FETCH FORWARD {most} FROM asked")
                rows, columns = cursor.fetchall(), cursor.description
                if any(column.type_code == connection.adapters.types["numeric"].oid for column in columns):
                    rows = [tuple(map(plain, row)) for row in rows]
                return [column.name for column in columns], rows
        except self._server.psycopg.Error as error:
            raise DatabaseSaysNo(explain(error, text)) from None
        finally:
            connection.close()

    def scanned(self, text):
        """The first table that the query would read as a whole, as the planner has it, or ""."""
        ((plan,),) = self.rows(f"EXPLAIN (FORMAT JSON) {text}")[1]
        todo = [json.loads(plan)[0]["Plan"]]
        while todo:
            step = todo.pop(0)
            whole = step["Node Type"] == "Seq Scan" or step["Node Type"].startswith("Index") and "Index Cond" not in step
            if whole and "Relation Name" in step:
                return step["Relation Name"]
            todo += step.get("Plans", [])
        return ""

    def visited(self, text):
        """How many rows the query looks at, in the tables and in their indexes."""
        ((plan,),) = self.rows(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {text}")[1]
        todo, visited = [json.loads(plan)[0]["Plan"]], 0
        while todo:
            step = todo.pop(0)
            if "Relation Name" in step or "Index Name" in step:
                rows = step["Actual Rows"] + step.get("Rows Removed by Filter", 0) + step.get("Rows Removed by Index Recheck", 0)
                visited += int(rows * step["Actual Loops"])
            todo += step.get("Plans", [])
        return visited

    def columns(self, table):
        """The columns of `table`: a DataFrame with columns column, type, meaning."""
        frame = super().columns(table)
        by_name = {column.name: column_type(column).split()[0] for column in schema.BY_NAME[table].columns}
        frame["type"] = frame["column"].map(by_name)
        return frame


def plain(value):
    """A value of a result as SQLite would give it: a number with decimals is a float, a whole one an int."""
    if type(value) is Decimal:
        return int(value) if value == value.to_integral_value() else float(value)
    return value


# Functions that read or write files, wait, end other sessions, or change settings; a transaction that only reads lets them through.
OUTSIDE = re.compile(r'\b"?(pg_read_\w*file|pg_ls_\w+|pg_stat_file|pg_sleep\w*|pg_terminate_backend|pg_cancel_backend|pg_reload_conf|'
                     r'pg_rotate_logfile|pg_promote|pg_switch_wal|pg_advisory\w*|pg_notify|lo_\w+|dblink\w*|set_config|query_to_xml\w*|'
                     r'pg_file_\w+|pg_logfile_\w+)"?\s*\(', re.IGNORECASE)


def bare(text):
    """`text` without its comments and without what stands in single quotes."""
    return re.sub(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", lambda found: "''" if found[0][0] == "'" else " ", text, flags=re.DOTALL).strip()


# The first words of statements that are none of SELECT, WITH, VALUES, TABLE and EXPLAIN (PostgreSQL's manual, SQL Commands).
COMMANDS = frozenset(
    "ABORT ALTER ANALYZE BEGIN CALL CHECKPOINT CLOSE CLUSTER COMMENT COMMIT COPY CREATE DEALLOCATE DECLARE DELETE DISCARD DO DROP END "
    "EXECUTE FETCH GRANT IMPORT INSERT LISTEN LOAD LOCK MERGE MOVE NOTIFY PREPARE REASSIGN REFRESH REINDEX RELEASE RESET REVOKE ROLLBACK "
    "SAVEPOINT SECURITY SET SHOW START TRUNCATE UNLISTEN UPDATE VACUUM".split())
CHANGES = re.compile(r"\b(DELETE|INSERT|MERGE|UPDATE)\b", re.IGNORECASE)
# What SQLite has and PostgreSQL calls otherwise.
INSTEAD = {
    "strftime": "to_char(created_utc::timestamp, 'YYYY-MM') or date_trunc('month', created_utc::timestamp)",
    "julianday": "a difference of two timestamps, EXTRACT(EPOCH FROM a::timestamp - b::timestamp), in seconds",
    "unixepoch": "EXTRACT(EPOCH FROM created_utc::timestamp)",
    "date": "a cast and an interval, (created_utc::timestamp - INTERVAL '1 month')::date",
    "datetime": "a cast and an interval, created_utc::timestamp - INTERVAL '2 hours'",
    "time": "a cast, created_utc::timestamp::time",
    "group_concat": "string_agg(modality, ',')",
    "ifnull": "coalesce(a, b)",
    "iif": "CASE WHEN ... THEN ... ELSE ... END",
    "instr": "strpos(text, part)",
    "printf": "format(...) or to_char(number, '990.9')",
    "total": "coalesce(SUM(...), 0)",
    "hex": "encode(value, 'hex')",
    "glob": "LIKE, or ~ with a regular expression",
}


def explain(error, text):
    """One sentence for a psycopg.Error that the statement `text` met: what, why, what next.

    It goes by the error's SQLSTATE (PostgreSQL's manual, appendix A) and its place: the server's own words may be in any language.
    """
    state, said = error.sqlstate or "", error.diag.message_primary or first_line(error)
    at = int(error.diag.statement_position or 0) - 1
    if not re.match(r"\s*EXPLAIN\b", bare(text), re.IGNORECASE):
        at -= len(ASKED)
    name = re.match(r"""'?([\w."]*)""", text[max(at, 0):])[1]
    if state == "42601":                        # syntax_error
        return _syntax(text, at, said)
    if state == "42P01":            # undefined_table
        if name.startswith("sqlite_"):
            return (f"{name} is a table of SQLite's own. PostgreSQL keeps what it knows of its tables in information_schema.columns and in "
                    "pg_indexes; the methods .tables() and .columns(...) work on both.")
        if "." in name:
            return (f"The statement names {name}, but FROM has no table {name.split('.')[0]}: join it, or write its alias, which replaces "
                    "the name.")
        return database.no_table(name, schema.TABLES)
    if state == "42703" and at >= 0:            # undefined_column
        if name.startswith('"'):
            return f"There is no column {name}. Double quotes name a column; a text stands in single ones, as in 'CT'."
        return database.no_column(name, schema.TABLES)
    if state == "42702" and at >= 0:            # ambiguous_column
        return database.ambiguous(name)
    if state == "42803":                        # grouping_error
        if re.match(r"\w+\s*\(", text[at:]):
            return (f"An aggregate, such as {name}, cannot stand here: WHERE looks at single rows, before they are grouped. A condition on "
                    "a group belongs in HAVING.")
        return (f"The column {name} is neither in GROUP BY nor inside an aggregate such as COUNT or MAX, so PostgreSQL does not know which "
                "row's value to show. SQLite would take any; here put it into GROUP BY, or say MIN or MAX.")
    if state == "42883":                        # undefined_function: of functions and of operators
        return _no_function(text, at, said)
    if state in ("42804", "42846", "22P02", "22007", "22008", "42725", "42P18"):
        return (f"The types do not fit: {said}. PostgreSQL does not turn text into numbers, dates or truth values by itself; a text stands "
                "in single quotes, a conversion is written as in created_utc::timestamp.")
    if state == "22012":
        return "The statement divides by zero: NULLIF(x, 0) in place of x makes the quotient NULL there. (SQLite gives NULL by itself.)"
    if state == "21000":
        return "A SELECT in brackets that stands for one value gives more than one row; keep one of them, or ask with IN."
    if state == "57014":
        return database.TOO_LONG
    if state.startswith("25") or state == "0A000" and CHANGES.search(bare(text)):
        return database.READ_ONLY
    if state == "42501":
        return f"The account may not do that: {said}. The tables of the hospital can be read; .tables() lists them."
    if state.startswith(("08", "57")) or not state:
        return f"The connection to PostgreSQL broke: {first_line(error)}. Is the server still running? Then run the cell again."
    return f"PostgreSQL refused the statement: {said}."


def _syntax(text, at, said):
    start = re.match(r"\W*(\w*)", bare(text))[1].upper()
    if start in COMMANDS:
        return database.READ_ONLY
    if at < 0:
        return database.ONE_AT_A_TIME
    if re.search(r"\bINTO\s+$", text[:at], re.IGNORECASE) or start == "WITH" and CHANGES.match(text[at:]):
        return database.READ_ONLY
    if re.match(r"\s*EXPLAIN\s+QUERY\s+PLAN\b", text, re.IGNORECASE):
        return ("PostgreSQL shows its plan with EXPLAIN alone, as in EXPLAIN SELECT ...; Index Scan and Bitmap Index Scan use an index, "
                "Seq Scan reads everything.")
    if not text[at:].strip():
        return database.ENDS_TOO_EARLY
    if text[at] in "'\"" and not re.match(r"'[^']*'|\"[^\"]*\"", text[at:]):
        return f"SQL cannot read {text[at:at + 40]}; is a quote still open, or a character out of place?"
    if text[at] == "(" and re.match(r"\(\s*(select|values|with)\b", text[at:], re.IGNORECASE):
        return "A SELECT in brackets behind FROM needs a name of its own there: FROM (SELECT ...) AS found."
    line = text.count("\n", 0, at) + 1
    return database.stops_at(re.match(r"\w+|\S", text[at:])[0]) + f" (Line {line} of the statement.)" * ("\n" in text.strip())


def _no_function(text, at, said):
    called = re.match(r'"?([\w.]+)"?\s*\(', text[at:]) if at >= 0 else None
    if called:
        name, types = called[1].lower(), re.search(r"\((.*)\)", said)
        if name in INSTEAD:
            return f"PostgreSQL has no {name} of this kind, which is SQLite's; write {INSTEAD[name]}."
        if name in ("sum", "avg") and types and types[1] == "boolean":
            return (f"In PostgreSQL a condition is a truth value and no number, so {name.upper()} cannot add it up; write COUNT(CASE WHEN "
                    "... THEN 1 END), or COUNT(*) FILTER (WHERE ...).")
        return (f"PostgreSQL has no function {name} for these types ({types[1] if types else 'none'}); is it spelled so, and does a value "
                "need a cast?")
    types = re.search(r"(\w[\w ]*?) (\S{1,3}) (\w[\w ]*)$", said)
    what = f"{types[1].strip()} {types[2]} {types[3]}" if types else said
    return (f"The two sides do not fit together ({what}): PostgreSQL compares like with like. A text, and every date here is one, stands "
            "in single quotes, as in '2025-03-01'; a number without.")


def first_line(error):
    """The first line of what an exception says, without a full stop."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def why_not(error):
    """One sentence for a psycopg.Error on connecting: what is wrong with the address or the server, and what to do."""
    said = str(error)
    if "password" in re.sub(r'"[^"]*"', "", said):          # authentication failed, or none supplied
        return f"PostgreSQL did not accept the name or the password in the address; it has the form {HOW}."
    if re.search(r'database "[^"]*" does not exist', said):
        return "The server has no database of the name in the address; make it with CREATE DATABASE, or correct the address."
    if any(sign in said for sign in ("refused", "timeout", "timed out", "No such file", "resolve", "translate host", "getaddrinfo")):
        return f"No PostgreSQL server answers at that address; is it running, and are host and port right? The form is {HOW}."
    if re.search(r"(missing|invalid|unexpected|connection info|URI)", said) and "server at" not in said:
        return f"That is no address of a PostgreSQL server; the form is {HOW}."      # libpq repeats it, password and all
    return f"PostgreSQL does not let you in: {first_line(error)}. Ask its administrator, or take another account."
