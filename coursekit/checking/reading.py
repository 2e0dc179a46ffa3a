"""Reading what a learner gave, whatever it is, into plain Python data.

Nothing here trusts the object: its real type decides (`type(x)`, never `isinstance`, which asks the object), and
values are taken with the base type's own methods, so that an `__eq__`, `__class__` or `__float__` of the learner's
cannot make a wrong answer right, and cannot raise.
"""

import datetime
import decimal
import fractions
import math
import sys
import types

MOST_VALUES = 200_000  # more than any answer holds; a longer one is refused before it is read


class Unclear(Exception):
    """The answer can't be read; the text is a phrase that says what was given: "a list of 3 values"."""

    def sentence(self, takes):
        """A sentence for the learner, where `takes` is a phrase for what is asked: "a number"."""
        return f"This exercise takes {takes}; you gave {self}."


class Unreadable(Unclear):
    """As Unclear, but the text is a sentence of its own."""

    def sentence(self, takes):
        """The sentence."""
        return str(self)


def type_name(value):
    """The name of the value's real type, as a learner would see it in an error message."""
    return type.__dict__["__name__"].__get__(type(value))


def is_a(value, kind):
    """Whether the value's real type is `kind` or derives from it."""
    return issubclass(type(value), kind)


def library_class(module, name):
    """A class of a library that the learner may have used, or None when that library isn't loaded (so no value can be one)."""
    loaded = sys.modules.get(module)
    return getattr(loaded, name, None)


def is_library(value, module, name):
    """Whether the value is an instance of a class of a library, without importing that library."""
    cls = library_class(module, name)
    return cls is not None and issubclass(type(value), cls)


def plain(value):
    """Builtin data of the same meaning: None, bool, int, float, str, bytes, or list, dict and set of these.

    Dates and times become ISO text, addresses of `ipaddress` the text that people write; missing values of any library become None;
    arrays, Series and pydicom values become what they hold. Raises Unclear for anything that is no data (functions, generators, open
    files, ...).
    """
    try:
        return _plain(value, [MOST_VALUES], 0)
    except RecursionError:
        raise Unclear("data nested in itself") from None


def _plain(value, budget, depth):
    budget[0] -= 1
    if budget[0] < 0:
        raise Unclear(f"more than {MOST_VALUES:,} values")
    if depth > 20:
        raise Unclear("data nested more than twenty levels deep")
    if value is None or value is Ellipsis or type(value) is bool:
        return value
    for base, read in _SCALARS:
        if is_a(value, base):
            return read(value)
    if is_a(value, (list, tuple)):
        base = list if is_a(value, list) else tuple
        return [_plain(item, budget, depth + 1) for item in base.__iter__(value)]
    if is_a(value, (set, frozenset)):
        base = set if is_a(value, set) else frozenset
        return [_plain(item, budget, depth + 1) for item in base.__iter__(value)]
    if is_a(value, dict):
        return {
            _hashable(_plain(key, budget, depth + 1)): _plain(item, budget, depth + 1)
            for key, item in dict.items(value)
        }
    if type(value) in (range, type({}.keys()), type({}.values())):
        if type(value) is range and value[-1:] and abs(value[-1] - value[0]) // abs(value.step) >= budget[0] or \
                type(value) is not range and len(value) > budget[0]:
            raise Unclear(f"more than {MOST_VALUES:,} values")
        return [_plain(item, budget, depth + 1) for item in value]
    return _library_value(value, budget, depth)


def _whole(value):
    number = int.__int__(value)
    if number.bit_length() > 13_000:                            # Python itself refuses to write one of more than 4,300 digits
        raise Unclear("a number of thousands of digits")
    return number


def _decimal(value):
    number = decimal.Decimal(value)
    if number.is_nan():                                         # the signalling one cannot become a float
        return math.nan
    return int(number) if number.is_finite() and number == number.to_integral_value() and abs(number) < 10**30 else float(number)


def _date_time(value):
    if value is library_class("pandas", "NaT"):
        return None
    return datetime.datetime.isoformat(value, sep=" ")


_SCALARS = (
    (str, str.__str__),
    (int, _whole),
    (float, float.__float__),
    (bytes, lambda value: bytes(memoryview(value))),
    (bytearray, lambda value: bytes(memoryview(value))),
    (memoryview, bytes),
    (decimal.Decimal, _decimal),
    (datetime.datetime, _date_time),
    (datetime.date, datetime.date.isoformat),
    (datetime.time, datetime.time.isoformat),
)

_ADDRESSES = ("IPv4Interface", "IPv6Interface", "IPv4Address", "IPv6Address", "IPv4Network", "IPv6Network")


def _library_value(value, budget, depth):
    """A value of numpy, pandas, pydicom or ipaddress."""
    if type(value) is fractions.Fraction:
        try:
            return float(value)
        except OverflowError:
            raise Unclear("a fraction too large to read") from None
    if is_library(value, "numpy", "ndarray"):
        numpy = sys.modules["numpy"]
        if numpy.ndarray.size.__get__(value) > budget[0]:
            raise Unclear(f"more than {MOST_VALUES:,} values")
        dtype = numpy.ndarray.dtype.__get__(value)
        if dtype.kind == "m":                                   # numpy makes plain integers of some spans and moments
            value = numpy.ndarray.view(value, numpy.ndarray)
            return _plain(list(value) if value.ndim else value[()], budget, depth + 1)
        if dtype.kind == "M" and numpy.datetime_data(dtype)[0] in ("ns", "ps", "fs", "as"):
            value = numpy.ndarray.astype(value, "datetime64[us]")
        return _plain(numpy.ndarray.tolist(value), budget, depth + 1)
    if is_library(value, "numpy", "generic"):
        numpy = sys.modules["numpy"]
        if is_a(value, numpy.bool_):
            return bool(value)
        if is_a(value, numpy.timedelta64):                      # counts as an integer in numpy
            if numpy.isnat(value):
                return None
            raise Unclear(describe(value))
        if is_a(value, numpy.integer):
            return int(value)
        if is_a(value, numpy.floating):
            return float(value)
        if is_a(value, numpy.datetime64):
            return None if numpy.isnat(value) else numpy.datetime_as_string(value, unit="s").replace("T", " ")
        raise Unclear(f"a numpy {type_name(value)}")
    if is_library(value, "pandas", "Series") or is_library(value, "pandas", "Index"):
        if len(value) > budget[0]:
            raise Unclear(f"more than {MOST_VALUES:,} values")
        pandas = sys.modules["pandas"]
        base = pandas.Series if is_a(value, pandas.Series) else pandas.Index
        return [_plain(item, budget, depth + 1) for item in base.tolist(value)]
    if _is_pandas_array(value):
        return _plain(sys.modules["pandas"].Series(value), budget, depth + 1)
    if is_library(value, "pandas", "DataFrame"):
        rows, columns = sys.modules["pandas"].DataFrame(value).shape
        if rows == columns == 1:
            return [_plain(sys.modules["pandas"].DataFrame(value).iat[0, 0], budget, depth + 1)]
        raise Unclear(f"a table of {rows:,} row{'s' * (rows != 1)} and {columns:,} column{'s' * (columns != 1)}")
    if is_library(value, "pandas", "Period"):
        return str(value)
    if value is library_class("pandas", "NA"):
        return None
    if any(type(value) is library_class("ipaddress", name) for name in _ADDRESSES):
        return str(value)
    if is_library(value, "pydicom.valuerep", "PersonName"):
        return str.__str__(sys.modules["pydicom.valuerep"].PersonName.__str__(value))
    if is_library(value, "pydicom.multival", "MultiValue"):
        return [_plain(item, budget, depth + 1) for item in value._list]
    if is_library(value, "pydicom.dataelem", "DataElement"):
        return _plain(sys.modules["pydicom.dataelem"].DataElement.value.fget(value), budget, depth + 1)
    raise Unclear(describe(value))


def _is_pandas_array(value):
    """Whether it is one of pandas' own arrays, as `.unique()` and `.array` of a Series give them."""
    arrays = library_class("pandas", "arrays")
    return arrays is not None and any(type(value) is cls for cls in vars(arrays).values())


def _hashable(key):
    if isinstance(key, list):
        return tuple(_hashable(part) for part in key)
    return str(key) if isinstance(key, dict) else key


def describe(value):
    """A phrase for what the learner gave, such as "a list of 3 values" or "a function"."""
    if value is None:
        return "`None`, Python's word for nothing"
    if value is Ellipsis:
        return "`...`, the place for your answer"
    if type(value) is bool:
        return f"the truth value `{value}`"
    if is_a(value, str):
        return "text"
    if is_a(value, int) or is_a(value, float) or is_a(value, decimal.Decimal):
        return "a number"
    if is_a(value, (bytes, bytearray)):
        return "bytes"
    for base, word in ((list, "list"), (tuple, "tuple"), (set, "set"), (frozenset, "set"), (dict, "dictionary")):
        if is_a(value, base):
            count = base.__len__(value)
            return f"a {word} of {count:,} value{'s' * (count != 1)}"
    if is_a(value, (types.GeneratorType, map, filter, zip)) or type_name(value).endswith("iterator"):
        return "a generator, a recipe that has not been carried out: put `list(...)` around it"
    if is_a(value, (types.FunctionType, types.BuiltinFunctionType, types.MethodType)):
        return "a function, not its result: call it with parentheses"
    if is_a(value, type):
        return "a type"
    return f"an object of type `{type_name(value)}`"


def single(value):
    """The one value inside a list, array, Series or 1x1 table of length one; any other value unchanged."""
    while type(value) in (list, tuple) and len(value) == 1:
        value = value[0]
    return value


_UNITS = {"W": 604800, "D": 86400, "h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "ps": 1e-12, "fs": 1e-15, "as": 1e-18}


def span(value):
    """The seconds of a span of time, the difference of two moments of whatever library, also alone in a list, Series, array or 1x1 table.

    None when it's anything else: what has no unit, or months and years, which have no fixed length, is no span of so many seconds.
    """
    value = _alone(value)
    if is_a(value, datetime.timedelta) and value is not library_class("pandas", "NaT"):
        return datetime.timedelta.total_seconds(value)
    if not is_library(value, "numpy", "timedelta64") or sys.modules["numpy"].isnat(value):
        return None
    numpy = sys.modules["numpy"]
    unit, count = numpy.datetime_data(numpy.generic.dtype.__get__(value))
    return int(numpy.generic.view(value, "int64")) * count * _UNITS[unit] if unit in _UNITS else None


def _alone(value):
    """What is inside a list, tuple, Series, Index, array or 1x1 table of length one, unread; any other value unchanged."""
    for _ in range(20):
        if is_a(value, (list, tuple)):
            base = list if is_a(value, list) else tuple
            inside = list(base.__iter__(value)) if base.__len__(value) == 1 else None
        elif is_library(value, "numpy", "ndarray"):
            array = sys.modules["numpy"].ndarray
            inside = array.reshape(array.view(value, array), -1) if array.size.__get__(value) == 1 else None
        elif is_library(value, "pandas", "DataFrame"):
            frame = sys.modules["pandas"].DataFrame(value)
            inside = [frame.iat[0, 0]] if frame.shape == (1, 1) else None
        elif is_library(value, "pandas", "Index"):
            inside = sys.modules["pandas"].Index.tolist(value) if len(value) == 1 else None
        elif is_library(value, "pandas", "Series") or _is_pandas_array(value):
            inside = sys.modules["pandas"].Series(value).tolist() if len(value) == 1 else None
        else:
            return value
        if inside is None:
            return value
        value = inside[0]
    return value


def short(value, most=60):
    """A learner's own plain value, as it can be quoted in a sentence."""
    if type(value) is int and abs(value) >= 10**40:
        return "a number of more than forty digits"  # Python itself refuses to write the longest ones
    if isinstance(value, str):                                  # what can't be printed would leave a gap in the sentence
        text = "`" + "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in value[:most]) + "`"
    else:
        text = f"`{value!r}`"
    return text if len(text) <= most else text[: most - 2] + "…`"
