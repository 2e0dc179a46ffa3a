"""An SQLite database as live systems keep what they must not lose: one connection that any thread may use, one at a time."""

import contextlib
import sqlite3
import tempfile
import threading
from pathlib import Path


class Database:
    """A database in a file.

    folder  : where the file lies, made if it is not there; None is a temporary folder, gone when the database is closed
    name    : the file is called so, and ends with ".sqlite"
    tables  : statements that make the tables where they are missing
    durable : whether a transaction is on the disk when it ends; else after the next checkpoint, and whole after a crash all the same
    """

    def __init__(self, folder, name, tables, durable=True):
        self._temporary = None
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix=f"coursekit-{name}-", ignore_cleanup_errors=True)
            folder = self._temporary.name
        path = Path(folder) / f"{name}.sqlite"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
        self._connection.executescript(tables)

    def close(self):
        """Close it."""
        with self.lock:
            self._connection.close()
        if self._temporary:
            self._temporary.cleanup()

    def row(self, statement, *values):
        """The first row that a statement gives, or None."""
        with self.lock:
            return self._connection.execute(statement, values).fetchone()

    def rows(self, statement, *values):
        """All rows that a statement gives: a list of tuples."""
        with self.lock:
            return self._connection.execute(statement, values).fetchall()

    def run(self, statement, *values):
        """Carry out a statement."""
        with self.lock:
            self._connection.execute(statement, values)

    def run_many(self, statement, rows):
        """Carry out a statement for each of some rows (an iterable)."""
        with self.lock:
            self._connection.executemany(statement, rows)

    @contextlib.contextmanager
    def transaction(self):
        """What is done within is done as a whole or, when an exception leaves it, not at all. No other thread comes between."""
        with self.lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
