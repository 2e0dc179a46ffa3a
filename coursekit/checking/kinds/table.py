"""Table: rows and columns, compared by what they hold and not by how they are arranged."""

import math
import re
import sys
from dataclasses import dataclass

from coursekit.checking.kinds.base import Difference, Kind
from coursekit.checking.reading import Unclear, Unreadable, describe, is_a, is_library, plain, short
from coursekit.checking.verdict import Outcome, Verdict


@dataclass
class Rows:
    """A table in plain data.

    columns   : the names, "" where the learner gave none
    rows      : tuples
    otherwise : another way to read the same, where its columns fit what is asked and these do not: a dictionary may be two columns or
                one row, and a list behind one of its names a column or the rest of a row
    """

    columns: list
    rows: list
    otherwise: "Rows" = None


class Table(Kind):
    """A table.

    variables : the learner's variable
    key       : names of the columns that tell one row from another; the default is all of them
    ordered   : True when the order of the rows is part of the question
    tolerance : for numbers, as in Number
    reading   : dict from a column's name to a function that turns what a person may write into one form, as in Text
    case      : names of the columns in which upper and lower case differ
    remark    : of a table with a key: a function of (the row's key, column, what was given, what is right, both as they are compared,
                input), which gives a sentence on a wrong cell or None; `input` gives an input of the lesson by its name. With it a
                wrong row is diagnosed by itself: by the wrong way all of whose own rows are in the answer, else by the remark
    entries   : where a dictionary {key: value} is asked, the names of its keys and of its values, as `remark` and `reading` get them. The
                solution is such a dictionary too, a missing key is told by its name, and a table of two columns may call them as it likes
    spare     : names of columns that may be there as well and do not count, such as those of the input
    told      : True when the keys are no part of the answer, since the input has them: a missing row is told by its key
    takes     : what is asked, in words, where that is no DataFrame: "a list of dictionaries"

    Forgives a DataFrame, a list of dictionaries, a dictionary of columns or by pairs of keys, rows of tuples, a Series with its index;
    the order of columns and their case; a key in the index; the order of rows; text for numbers and dates in any ISO form.
    """

    takes = "a table (a DataFrame)"

    def __init__(self, variables="result", key=(), ordered=False, tolerance=0, reading=None, remark=None, case=(), entries=(),
                 spare=(), told=False, takes=None):
        super().__init__(variables)
        self.entries, self.spare, self.told = tuple(entries), tuple(map(_name, spare)), told
        if entries:
            self.takes = "a dictionary `{key: value, ...}`"
        self.takes = takes or self.takes
        self.key = tuple(key or entries[:1])
        self.ordered = ordered
        self.tolerance = tolerance
        self.reading = reading or {}
        self.remark = remark
        self.case = tuple(case)

    def read(self, given):
        """The table as Rows."""
        rows = self._read(given)
        if len(self.entries) == len(rows.columns) and set(rows.columns) == {""} and rows.rows and not _heads(rows.rows[0], self.entries):
            return Rows(list(self.entries), rows.rows, rows.otherwise)
        return rows

    def _read(self, given):
        if is_library(given, "pandas", "DataFrame"):
            return _from_frame(given)
        if is_library(given, "pandas", "Series"):
            return _from_frame(sys.modules["pandas"].Series(given).to_frame())
        if is_library(given, "numpy", "ndarray") and given.dtype.names:
            names = list(given.dtype.names)
            return Rows(names, [tuple(row) for row in plain(given)])
        value = plain(given)
        if is_a(given, (list, tuple)) and len(value) > 1 and type(value[0]) is dict and len({id(row) for row in given}) == 1:
            raise Unreadable(
                "Your rows are one and the same dictionary, as many times: each shows what was put into it last. Every row needs a "
                "dictionary of its own, so where a loop makes the rows, the line that makes the dictionary belongs inside the loop."
            )
        if type(value) is dict and value and all(type(name) is tuple for name in value):
            return _by_pairs(value)
        if type(value) is dict and self.entries and self._has_lists_for_values(value):
            return Rows(["", ""], [(key, ", ".join(map(str, one)) if type(one) is list else one) for key, one in value.items()])
        if type(value) is dict:
            if not value or not all(type(column) is list for column in value.values()):
                if value and not any(type(column) in (list, dict) for column in value.values()):
                    one_row = Rows([str(name) for name in value], [tuple(value.values())])
                    return Rows(["", ""], list(value.items()), one_row)  # {"CT": 12, "MR": 7}, unless the keys are columns
                raise Unclear(describe(given))
            if len({len(column) for column in value.values()}) > 1:
                raise Unclear("columns of different lengths")
            keyed = [(name, *row) for name, row in value.items()]            # {"CT": (12, 7.5), "MR": (7, 9)}, unless the keys are columns
            by_key = Rows([""] * len(keyed[0]), keyed)
            return Rows([str(name) for name in value], list(zip(*value.values(), strict=True)), by_key)
        if type(value) is list and value and all(type(row) is dict for row in value):
            names = list(value[0])
            if any(list(row) != names and set(row) != set(names) for row in value):
                raise Unclear("rows with different columns")
            return Rows([str(name) for name in names], [tuple(row[name] for name in names) for row in value])
        if type(value) is list and value and all(type(row) is list for row in value):
            if len({len(row) for row in value}) > 1:
                raise Unclear("rows of different lengths")
            return Rows([""] * len(value[0]), [tuple(row) for row in value])
        if value and (type(value) is str or type(value) is list and all(type(row) is str for row in value)):
            if self.entries:
                given_as = "a list of values without their keys" if type(value) is list else "text"
                raise Unclear(f"{given_as}. Write each value behind its key, as the question shows it")
            rows = "text" if type(value) is str else "rows that are text"
            raise Unclear(f"{rows}. Write each row in brackets, its values separated by commas: `[(..., ...), (..., ...)]`")
        raise Unclear(describe(given) if value is None or value else "an empty table without columns")

    def _has_lists_for_values(self, value):
        """Whether this dictionary is one of entries, some of them with several words in a list, and not one of columns."""
        lists = [one for one in value.values() if type(one) is list]
        plain_lists = all(type(part) not in (list, dict) for one in lists for part in one)
        columns = len(value) == len(lists) == 2 or set(map(_name, self.entries)) <= set(map(_name, value))
        return bool(lists) and plain_lists and not columns and not any(type(one) is dict for one in value.values())

    def difference(self, answer, other):
        """None when both tables hold the same."""
        arranged = self._arranged(answer, other)
        if isinstance(arranged, Difference):
            return arranged
        rows = [self._cells(row, other.columns) for row in arranged]
        wanted = [self._cells(row, other.columns) for row in other.rows]
        written = {cell: value for table, found in ((other.rows, wanted), (arranged, rows)) for row, cells in zip(table, found, strict=True)
                   for value, cell in zip(row, cells, strict=True)}
        if self.ordered:
            in_any_order = Table("t", self.key, False, self.tolerance, case=self.case, spare=self.spare).difference(answer, other)
            if in_any_order is not None:
                return in_any_order
            wrong = next((i for i, (a, b) in enumerate(zip(rows, wanted)) if not self._same_row(a, b)), None)
            return None if wrong is None else Difference(
                f"The rows are right, but not in the order that is asked: look at row {wrong + 1}.", "order")
        return self._by_key(rows, wanted, other.columns, written)

    def _arranged(self, answer, other):
        """The answer's rows with the other table's columns in its order, or the Difference that prevents it."""
        wanted = [_name(name) for name in other.columns]
        other_way = answer.otherwise
        if other_way and (set(map(_name, other_way.columns)) & set(wanted) or
                          len(other_way.columns) == len(wanted) and not set(map(_name, answer.columns)) & {"", *wanted}):
            answer = other_way
        names = [_name(name) for name in answer.columns]
        if set(names) == {""} and len(answer.rows) > 1 and _heads(answer.rows[0], wanted):
            answer = Rows([str(cell) for cell in answer.rows[0]], answer.rows[1:])     # the first row holds the names
            names = [_name(name) for name in answer.columns]
        if len(answer.rows) > 20 * len(other.rows) + 1000:
            return Difference(f"Your table has {len(answer.rows):,} rows, far more than asked.", "rows")
        index_columns = [name for name in names if name.startswith("index of ")]
        names = [name.removeprefix("index of ") if name.removeprefix("index of ") in wanted and
                 name.removeprefix("index of ") not in names else name for name in names]
        if len(names) == len(wanted):  # a Series or bare tuples: what has no name takes the free names in turn
            free = iter([name for name in wanted if name not in names])
            names = [next(free, "") if name in ("", "index of texts") else name for name in names]
        elif set(names) == {""}:
            return Difference(f"Your rows have {len(names)} value{'s' * (len(names) != 1)} each, where {len(wanted)} are asked: "
                              f"{', '.join(f'`{label}`' for label in other.columns)}.", "missing column")
        if self.entries and len(names) == 2 and set(names) != set(wanted):
            names = [name if name in wanted else next(one for one in wanted if one not in names) for name in names] \
                if set(names) & set(wanted) else list(wanted)
        missing = [label for label, name in zip(other.columns, wanted, strict=True) if name not in names]
        if missing:
            return Difference(f"The column `{missing[0]}` is missing.", "missing column")
        extra = [
            label for label, name in zip(answer.columns, names, strict=True)
            if name not in wanted and name not in index_columns and name not in self.spare
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
        if self.entries and (extra or missing):
            return self._other_keys([short(written[one[0]]) for one in extra], [short(written[one[0]]) for one in missing])
        if extra:
            row = ", ".join(f"`{name}` is {short(written[value])}" for name, value in zip(named, extra[0], strict=True))
            more = " Rows that do belong there are missing." if missing else ""
            return Difference(f"A row does not belong there: the one where {row}.{more}", "extra row")
        again = next((values for values, group in theirs.items() if len(group) > len(ours.get(values, group))), None)
        if missing and again:
            row = ", ".join(f"`{name}` is {short(written[value])}" for name, value in zip(named, again, strict=True))
            return Difference(f"The row where {row} is there {len(theirs[again])} times, and others are missing.", "repeated row")
        if missing:
            which = ""
            if self.told:
                row = ", ".join(f"`{name}` is {short(written[value])}" for name, value in zip(named, missing[0], strict=True))
                which = f" The one where {row} is missing."
            return Difference(
                f"Your table has {len(rows):,} row{'s' * (len(rows) != 1)}, fewer than are asked.{which}", "missing row"
            )
        for values, group in theirs.items():
            row = ", ".join(f"`{name}` is {short(written[value])}" for name, value in zip(named, values, strict=True))
            if len(group) != len(ours[values]):
                how = "more" if len(group) > len(ours[values]) else "less"
                return Difference(f"The row where {row} is there {how} often than it should be.", "repeated row")
            for got, want in zip(sorted(group, key=_order), sorted(ours[values], key=_order), strict=True):
                for place, column in enumerate(columns):
                    if not self._same(got[place], want[place]):
                        problem = self._problem(column, written[got[place]])
                        if self.entries:
                            return Difference(f"{short(written[values[0]])} {problem or 'is not right.'}",
                                              "unreadable" if problem else "value")
                        if str(got[place]).casefold() == str(want[place]).casefold():
                            return Difference(f"In the row where {row}, the letters in the column `{column}` are right, but upper and "
                                              "lower case matter here.", "case")
                        return Difference(f"In the row where {row}, the column `{column}` {problem or 'is not right.'}",
                                          "unreadable" if problem else "value")
        return None

    @staticmethod
    def _other_keys(extra, missing):
        """The Difference of a dictionary that has other keys than are asked, both lists as they are quoted."""
        said = [f"{extra[0]} is none of the keys that are asked."] if extra else []
        if missing:
            more = f", and so {'is' if len(missing) == 2 else 'are'} {len(missing) - 1} more" if len(missing) > 1 else ""
            said.append(f"{missing[0]} is missing{more}.")
        return Difference(" ".join(said), "extra row" if extra else "missing row")

    def _problem(self, column, value):
        """What the column's reading says of a value that it can't read; "" when it can."""
        try:
            self.reading.get(column, str)(value)
        except ValueError as problem:
            return f"can't be read: {short(value)}; {str(problem).rstrip('.')}."
        except (TypeError, KeyError, OverflowError):
            pass
        return ""

    def judge(self, exercise, given, editions):
        """As for every kind; with a `remark`, a wrong row is diagnosed by itself."""
        verdict = super().judge(exercise, given, editions)
        if self.remark is None or verdict.label != "value":
            return verdict
        solution = self._computed(exercise, exercise.solution, editions)
        right, rows = self._keyed(solution, solution), self._keyed(self.read(*given), solution)
        for way, feedback in exercise.wrong_ways.items():
            wrong = self._keyed(self._computed(exercise, way, editions), solution)
            own = [key for key, row in wrong.items() if key not in right or not self._same_row(row, right[key])]
            if own and all(key in rows and self._same_row(rows[key], wrong[key]) for key in own):
                return Verdict(Outcome.NOT_YET, feedback, way.__name__)
        wrong = [key for key in right if not self._same_row(rows[key], right[key])]
        place = next(place for place, one in enumerate(right[wrong[0]]) if not self._same(rows[wrong[0]][place], one))
        sentence = self.remark(wrong[0] if len(self.key) > 1 else wrong[0][0], solution.columns[place], rows[wrong[0]][place],
                               right[wrong[0]][place], lambda name: exercise.lesson.input_of(name, editions.own))
        count = f"{len(right) - len(wrong)} of {len(right)} {'' if self.entries else 'rows '}are right. "
        return Verdict(Outcome.NOT_YET, f"{count}{verdict.message}{f' {sentence}' if sentence else ''}", "value")

    def _keyed(self, table, solution):
        """{key of a row: its cells as they are compared}, the columns in the order of the solution."""
        key = [solution.columns.index(name) for name in self.key]
        cells = [self._cells(row, solution.columns) for row in self._arranged(table, solution)]
        return {tuple(row[place] for place in key): row for row in cells}

    def _cells(self, row, columns):
        return _cells(row, [self.reading.get(column) for column in columns], [column in self.case for column in columns])

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
        if type(got) in (int, float) and type(want) in (int, float) and abs(want) != math.inf:
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
    if names == [str(place) for place in range(len(names))]:                 # pandas numbers columns to which nobody gave names
        names = [""] * len(names)
    for level in reversed(range(frame.index.nlevels)):
        name = frame.index.names[level]
        if name is not None or not is_a(frame.index, pandas.RangeIndex):
            columns.insert(0, plain(frame.index.get_level_values(level)))
            texts = columns[0] and all(type(value) is str for value in columns[0])     # an index of numbers only counts the rows
            names.insert(0, f"index of {name}" if name is not None else "index of texts" if texts else "index of the rows")
    return Rows(names, list(zip(*columns, strict=True)) if columns else [])


def _by_pairs(value):
    """A dictionary whose keys are pairs, or longer; its values are the rest of the row: a value, a list, or a dictionary by column."""
    inside = list(value.values())
    names = list(inside[0]) if type(inside[0]) is dict else []
    if names and not all(type(one) is dict and set(one) == set(names) for one in inside):
        raise Unclear("rows with different columns")
    rest = [[one[name] for name in names] if names else one if type(one) is list else [one] for one in inside]
    rows = [(*key, *row) for key, row in zip(value, rest, strict=True)]
    if len({len(row) for row in rows}) > 1:
        raise Unclear("rows of different lengths")
    return Rows([""] * (len(rows[0]) - len(names)) + [str(name) for name in names], rows)


def _heads(row, names):
    """Whether the cells of a row are these names of columns."""
    return sorted(_name(cell) for cell in row) == sorted(map(_name, names))


def _name(name):
    prefix = "index of " if str(name).startswith("index of ") else ""
    return prefix + re.sub(r"[\s_\-]+", "_", str(name).removeprefix(prefix).strip()).casefold()


def _cells(row, readings, cases=None):
    """A row as it's compared; a cell that its column's reading can't read stays as it is: then it's simply not the right one.

    readings : a function or None for each column
    cases    : for each column, whether upper and lower case differ; the default is that they don't
    """
    cells = []
    for value, reading, case in zip(row, readings, cases or [False] * len(row), strict=True):
        if reading is not None:
            try:
                value = reading(value)
            except (ValueError, TypeError, KeyError, OverflowError):
                pass
        cells.append(_cell(value, case))
    return tuple(cells)


def _cell(value, case=False):
    """A cell as it's compared: missing values alike, numbers as numbers, text without padding (nor case, unless `case`), dates alike."""
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
    text = str(value).replace("\0", " ").strip()
    text = text if case else text.casefold()
    text = re.sub(r"^(\d{4}-\d\d-\d\d)[Tt](?=\d)", r"\1 ", text)
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
