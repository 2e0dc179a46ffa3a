"""Things that a learner might pass to a check by mistake, by despair or by cunning. Each is (name, factory)."""

import datetime
import decimal
import sqlite3
import threading

import numpy as np
import pandas as pd


class LyingEquality:
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __hash__(self):
        return 0


class LyingClass:
    """Says that it's a float, and that it equals everything."""

    __class__ = float

    def __eq__(self, other):
        return True

    def __float__(self):
        return 0.0

    __hash__ = None


class LyingFloat(float):
    def __eq__(self, other):
        return True

    def __sub__(self, other):
        return 0.0

    def __rsub__(self, other):
        return 0.0

    def __float__(self):
        return 0.0

    def __abs__(self):
        return 0.0

    __hash__ = float.__hash__


class LyingInt(int):
    def __eq__(self, other):
        return True

    def __int__(self):
        return 0

    def __index__(self):
        return 0

    def __sub__(self, other):
        return 0

    def __rsub__(self, other):
        return 0

    __hash__ = int.__hash__


class LyingText(str):
    def __eq__(self, other):
        return True

    def casefold(self):
        return self

    def strip(self, *args):
        return self

    def split(self, *args):
        return [self]

    def __str__(self):
        return self

    __hash__ = str.__hash__


class LyingList(list):
    def __eq__(self, other):
        return True

    def __iter__(self):
        raise RuntimeError("no")

    def __len__(self):
        return 10**9

    __hash__ = None


class LyingFrame(pd.DataFrame):
    def __eq__(self, other):
        return True

    def equals(self, other):
        return True

    @property
    def columns(self):
        raise RuntimeError("no")

    __hash__ = None


class RaisesOnEverything:
    def __getattribute__(self, name):
        raise SystemExit(name)

    def __repr__(self):
        raise RuntimeError("no repr")

    __str__ = __eq__ = __len__ = __iter__ = __float__ = __int__ = __bool__ = __call__ = __repr__
    __hash__ = None


class EndlessText:
    def __str__(self):
        while True:
            pass

    __repr__ = __str__


class Meta(type):
    def __getattribute__(cls, name):
        raise RuntimeError("no")

    def __subclasscheck__(cls, other):
        return True

    def __instancecheck__(cls, other):
        return True


class OddType(metaclass=Meta):
    pass


def _nested_in_itself():
    loop = []
    loop.append(loop)
    return loop


def _closed_database():
    connection = sqlite3.connect(":memory:")
    connection.close()
    return connection


def _endless():
    while True:
        yield 1


def loops(*_):
    while True:
        pass


ENOUGH = threading.Event()              # nothing else ends the next function, and it would take half of the processor from all later tests


def loops_and_catches(*_):
    while not ENOUGH.is_set():
        try:
            while not ENOUGH.is_set():
                pass
        except BaseException:
            pass


def recurses(*arguments):
    return recurses(*arguments)


def exits(*_):
    raise SystemExit("bye")


def interrupts(*_):
    raise KeyboardInterrupt


def raises(*_):
    raise ValueError("something in my code")


def gives_liar(*_):
    return LyingEquality()


def gives_lying_float(*_):
    return LyingFloat(1.5)


def prints(*_):
    print("noise" * 100)


def changes_its_input(*arguments):
    for value in arguments:
        if isinstance(value, list):
            value.clear()
    return None


FUNCTIONS = [
    ("recursion", lambda: recurses),
    ("sys.exit()", lambda: exits),
    ("keyboard interrupt", lambda: interrupts),
    ("exception", lambda: raises),
    ("returns a liar", lambda: gives_liar),
    ("returns a lying float", lambda: gives_lying_float),
    ("only prints", lambda: prints),
    ("changes its input", lambda: changes_its_input),
    ("takes nothing", lambda: lambda: 1),
    ("generator function", lambda: _endless),
    ("class", lambda: RaisesOnEverything),
    ("builtin", lambda: print),
]
SLOW_FUNCTIONS = [("endless loop", lambda: loops), ("endless loop that catches all", lambda: loops_and_catches)]

VALUES = [
    ("None", lambda: None),
    ("True", lambda: True),
    ("NaN", lambda: float("nan")),
    ("infinity", lambda: float("inf")),
    ("minus infinity in numpy", lambda: np.float64("-inf")),
    ("decimal NaN", lambda: decimal.Decimal("NaN")),
    ("complex", lambda: 1j),
    ("empty text", lambda: ""),
    ("blanks", lambda: "   \n"),
    ("text with NUL", lambda: "\0\0"),
    ("huge text", lambda: "x" * 2_000_000),
    ("surrogate", lambda: "\ud800"),
    ("huge integer", lambda: 10**5000),
    ("huge integer as text", lambda: "9" * 5000),
    ("bytes", lambda: b"\xff\xfe"),
    ("empty list", lambda: []),
    ("list of None", lambda: [None, None]),
    ("empty dict", lambda: {}),
    ("dict of dicts", lambda: {"a": {"b": {}}}),
    ("list in itself", _nested_in_itself),
    ("generator", lambda: (i for i in range(3))),
    ("endless generator", _endless),
    ("map", lambda: map(str, [1])),
    ("huge range", lambda: range(10**12)),
    ("huge array", lambda: np.zeros(3_000_000)),
    ("empty frame", lambda: pd.DataFrame()),
    ("frame without rows", lambda: pd.DataFrame({"a": []})),
    ("huge frame", lambda: pd.DataFrame({"a": np.zeros(1_000_000)})),
    ("frame with one name twice", lambda: pd.DataFrame([[1, 2]], columns=["a", "a"])),
    ("frame of objects", lambda: pd.DataFrame({"a": [object(), LyingEquality()]})),
    ("frame of liars", lambda: pd.DataFrame({"n": [LyingEquality()]}, dtype=object)),
    ("lying frame", lambda: LyingFrame({"a": [1]})),
    ("Series", lambda: pd.Series([1, 2], name="n")),
    ("NaT", lambda: pd.NaT),
    ("NA", lambda: pd.NA),
    ("date", lambda: datetime.date(2025, 3, 1)),
    ("closed database", _closed_database),
    ("lying equality", LyingEquality),
    ("lying class", LyingClass),
    ("lying float", lambda: LyingFloat(1.5)),
    ("lying integer", lambda: LyingInt(7)),
    ("lying text", lambda: LyingText("zzz")),
    ("lying list", lambda: LyingList([1])),
    ("raises on everything", RaisesOnEverything),
    ("endless text", EndlessText),
    ("odd type", OddType),
    ("instance of odd type", lambda: OddType()),
    ("a type", lambda: int),
    ("a module", lambda: np),
    ("an exception", lambda: ValueError("x")),
    *FUNCTIONS,
]

SQL = [
    ("drop", "DROP TABLE study"),
    ("delete", "DELETE FROM study"),
    ("update", "UPDATE patient SET pid = 'x'"),
    ("insert", "INSERT INTO issuer VALUES (99, 'x', 'y')"),
    ("comment first", "/* harmless */ -- really\n DELETE FROM study"),
    ("with", "WITH old AS (SELECT pk FROM study) DELETE FROM study WHERE pk IN (SELECT pk FROM old)"),
    ("two statements", "SELECT 1; DROP TABLE study"),
    ("attach", "ATTACH DATABASE 'other.db' AS other"),
    ("pragma", "PRAGMA writable_schema = 1"),
    ("pragma function", "SELECT * FROM pragma_table_info('study')"),
    ("vacuum", "VACUUM INTO 'copy.db'"),
    ("extension", "SELECT load_extension('x')"),
    ("create", "CREATE TABLE mine AS SELECT * FROM study"),
    ("endless", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"),
    ("huge", "SELECT a.pk FROM series a, series b"),
    ("no SQL", "how many CTs are there?"),
    ("unknown column", "SELECT study_id FROM study"),
    ("unknown table", "SELECT * FROM studies"),
    ("unfinished", "SELECT COUNT(* FROM study"),
    ("open quote", "SELECT 'x FROM study"),
    ("NUL", "SELECT 1\0"),
    ("nothing", ";"),
    ("a parameter", "SELECT * FROM study WHERE pk = ?"),
]
