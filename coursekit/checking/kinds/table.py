"""Table: rows and columns, compared by what they hold and not by how they are arranged."""

import math
import re
import sys
from dataclasses import dataclass

from coursekit.checking.kinds.base import Difference, Kind
from coursekit.checking.reading import Unclear, describe, is_a, is_library, plain, short


@dataclass
class Rows:
    """A table in plain data.

    columns : the names, "" where the learner gave none
    rows    : tuples
    one_row : another way to read the same: a dictionary may be two columns or one row
    """

    columns: list
    rows: list
    one_row: "Rows" = None


class Table(Kind):
    """A table.

    variables : the learner's variable
    key       : names of the columns that tell one row from another; the default is all of them
    ordered   : True when the order of the rows is part of the question
    tolerance : for numbers, as in Number
    reading   : dict from a column's name to a function that turns what a person may write into one form, as in Text

    Forgives a DataFrame, a list of dictionaries, a dictionary of columns, rows of tuples, a Series with its index;
    the order of columns and their case; a key in the index; the order of rows; text for numbers and dates in any ISO form.
    """

    takes = "a table (a DataFrame)"

    def __init__(self, variables="result", key=(), ordered=False, tolerance=0, reading=None):
        super().__init__(variables)
        self.key = tuple(key)
        self.ordered = ordered
        self.tolerance = tolerance
        self.reading = reading or {}

    def read(self, given):
        """The table as Rows."""
        if is_library(given, "pandas", "DataFrame"):
            return _from_frame(given)
        if is_library(given, "pandas", "Series"):
            return _from_frame(sys.modules["pandas"].Series(given).to_frame())
        if is_library(given, "numpy", "ndarray") and given.dtype.names:
            names = list(given.dtype.names)
            return Rows(names, [tuple(row) for row in plain(given)])
        value = plain(given)
        if type(value) is dict:
            if not value or not all(type(column) is list for column in value.values()):
                if value and not any(type(column) in (list, dict) for column in value.values()):
                    one_row = Rows([str(name) for name in value], [tuple(value.values())])
                    return Rows(["", ""], list(value.items()), one_row)  # {"CT": 12, "MR": 7}, unless the keys are columns
                raise Unclear(describe(given))
            if len({len(column) for column in value.values()}) > 1:
                raise Unclear("columns of different lengths")
            return Rows([str(name) for name in value], list(zip(*value.values(), strict=True)))
        if type(value) is list and value and all(type(row) is dict for row in value):
            names = list(value[0])
            if any(list(row) != names and set(row) != set(names) for row in value):
                raise Unclear("rows with different columns")
            return Rows([str(name) for name in names], [tuple(row[name] for name in names) for row in value])
        if type(value) is list and value and all(type(row) is list for row in value):
            if len({len(row) for row in value}) > 1:
                raise Unclear("rows of different lengths")
            return Rows([""] * len(value[0]), [tuple(row) for row in value])
        raise Unclear(describe(given) if value is None or value else "an empty table without columns")

    def difference(self, answer, other):
        """None when both tables hold the same."""
        arranged = self._arranged(answer, other)
        if isinstance(arranged, Difference):
            return arranged
        readings = [self.reading.get(column) for column in other.columns]
        rows = [_cells(row, readings) for row in arranged]
        written = {cell: value for row, cells in zip(arranged, rows, strict=True) for value, cell in zip(row, cells, strict=True)}
        wanted = [_cells(row, readings) for row in other.rows]
        if self.ordered:
            in_any_order = Table("t", self.key, False, self.tolerance).difference(answer, other)
            if in_any_order is not None:
                return in_any_order
            wrong = next((i for i, (a, b) in enumerate(zip(rows, wanted)) if not self._same_row(a, b)), None)
            return None if wrong is None else Difference(
                f"The rows are right, but not in the order that is asked: look at row {wrong + 1}.", "order")
        return self._by_key(rows, wanted, other.columns, written)

    def _arranged(self, answer, other):
        """The answer's rows with the other table's columns in its order, or the Difference that prevents it."""
        wanted = [_name(name) for name in other.columns]
        if answer.one_row and set(map(_name, answer.one_row.columns)) & set(wanted):
            answer = answer.one_row
        names = [_name(name) for name in answer.columns]
        if len(answer.rows) > 20 * len(other.rows) + 1000:
            return Difference(f"Your table has {len(answer.rows):,} rows, far more than asked.", "rows")
        index_columns = [name for name in names if name.startswith("index of ")]
        names = [name.removeprefix("index of ") if name.removeprefix("index of ") in wanted and
                 name.removeprefix("index of ") not in names else name for name in names]
        if "" in names and len(names) == len(wanted):  # a Series or bare tuples: what has no name takes the free names in turn
            free = iter([name for name in wanted if name not in names])
            names = [name or next(free, "") for name in names]
        missing = [label for label, name in zip(other.columns, wanted, strict=True) if name not in names]
        if missing:
            return Difference(f"The column `{missing[0]}` is missing.", "missing column")
        extra = [
            label for label, name in zip(answer.columns, names, strict=True)
            if name not in wanted and name not in index_columns
        ]
        if extra:
            return Difference(f"The column {short(extra[0])} was not asked for.", "extra column")
        places = [names.index(name) for name in wanted]
        return [tuple(row[place] for place in places) for row in answer.rows]

    def _by_key(self, rows, wanted, columns, written):
        """The first difference, named by the key; `written` gives each compared cell as the learner wrote it."""
        key = [columns.index(name) for name in self.key] or list(range(len(columns)))
        theirs, ours = _grouped(rows, key), _grouped(wanted, key)
        extra = [values for values in theirs if values not in ours]
        missing = [values for values in ours if values not in theirs]
        if extra and len(key) == len(columns) and len(rows) == len(wanted):
            return self._nearest(rows, wanted, columns, written)
        named = [columns[place] for place in key]
        if extra:
            row = ", ".join(f"`{name}` is {short(written[value])}" for name, value in zip(named, extra[0], strict=True))
            more = " Rows that do belong there are missing." if missing else ""
            return Difference(f"A row does not belong there: the one where {row}.{more}", "extra row")
        if missing:
            return Difference(
                f"Your table has {len(rows):,} row{'s' * (len(rows) != 1)}, fewer than are asked.", "missing row"
            )
        for values, group in theirs.items():
            row = ", ".join(f"`{name}` is {short(written[value])}" for name, value in zip(named, values, strict=True))
            if len(group) != len(ours[values]):
                how = "more" if len(group) > len(ours[values]) else "less"
                return Difference(f"The row where {row} is there {how} often than it should be.", "repeated row")
            for got, want in zip(sorted(group, key=_order), sorted(ours[values], key=_order), strict=True):
                for place, column in enumerate(columns):
                    if not self._same(got[place], want[place]):
                        return Difference(f"In the row where {row}, the column `{column}` is not right.", "value")
        return None

    def _nearest(self, rows, wanted, columns, written):
        """For tables without a key: compared row by row in sorted order, tolerance included."""
        if len(wanted) == len(columns) == 1:
            return None if self._same(rows[0][0], wanted[0][0]) else Difference(f"The value of `{columns[0]}` is not right.", "value")
        pairs = zip(sorted(rows, key=_order), sorted(wanted, key=_order), strict=True)
        for number, (got, want) in enumerate(pairs, 1):
            for place, column in enumerate(columns):
                if not self._same(got[place], want[place]):
                    row = ", ".join(short(written[value], 30) for value in got)
                    return Difference(f"The row {row} does not belong there as it is; look at `{column}` first.", "value")
        return None

    def _same_row(self, got, want):
        return all(self._same(a, b) for a, b in zip(got, want, strict=True))

    def _same(self, got, want):
        if type(got) in (int, float) and type(want) in (int, float):
            return abs(got - want) <= self.tolerance + 1e-9 * max(1, abs(want))
        return got == want


def _from_frame(given):
    pandas = sys.modules["pandas"]
    frame = pandas.DataFrame(given)
    if len(frame) * max(len(frame.columns), 1) > 2_000_000:
        raise Unclear(f"a table of {len(frame):,} rows and {len(frame.columns):,} columns, more than any answer here holds")
    names = [" ".join(map(str, name)) if type(name) is tuple else "" if name is None else str(name) for name in frame.columns]
    columns = [plain(frame.iloc[:, place]) for place in range(len(names))] if len(frame) <= 200_000 else None
    if columns is None:
        raise Unclear(f"a table of {len(frame):,} rows, more than any answer here holds")
    if is_library(given, "pandas", "DataFrame") and len(names) == 1 and names == ["0"]:
        names = [""]
    for level in reversed(range(frame.index.nlevels)):
        name = frame.index.names[level]
        if name is not None or not is_a(frame.index, pandas.RangeIndex):
            names.insert(0, f"index of {name}" if name is not None else "index of the rows")
            columns.insert(0, plain(frame.index.get_level_values(level)))
    return Rows(names, list(zip(*columns, strict=True)) if columns else [])


def _name(name):
    prefix = "index of " if str(name).startswith("index of ") else ""
    return prefix + re.sub(r"[\s_\-]+", "_", str(name).removeprefix(prefix).strip()).casefold()


def _cells(row, readings):
    """A row as it's compared; a cell that its column's reading can't read stays as it is: then it's simply not the right one."""
    cells = []
    for value, reading in zip(row, readings, strict=True):
        if reading is not None:
            try:
                value = reading(value)
            except (ValueError, TypeError, KeyError, OverflowError):
                pass
        cells.append(_cell(value))
    return tuple(cells)


def _cell(value):
    """A cell as it's compared: missing values alike, numbers as numbers, text without padding and case, dates in one form."""
    if value is None or (type(value) is float and math.isnan(value)):
        return None
    if type(value) is bool:
        return int(value)
    if type(value) is float and value.is_integer() and abs(value) < 1e15:
        return int(value)
    if type(value) in (int, float):
        return value
    if type(value) is bytes:
        value = value.decode("latin-1")
    if type(value) is list:
        value = ", ".join(map(str, value))
    text = str(value).replace("\0", " ").strip().casefold()
    text = re.sub(r"^(\d{4}-\d\d-\d\d)t(?=\d)", r"\1 ", text)
    text = re.sub(r"^(\d{4}-\d\d-\d\d)( 00:00(:00(\.0+)?)?)?$", r"\1", text)
    if re.fullmatch(r"[+-]?(0|[1-9]\d{0,14})(\.\d+)?", text):
        return _cell(float(text)) if "." in text else int(text)
    return text


def _grouped(rows, key):
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[place] for place in key), []).append(row)
    return groups


def _order(row):
    return tuple((value is not None, isinstance(value, str), value if value is not None else 0) for value in row)
