"""Number: a number with a unit and a tolerance."""

import math
import re

from coursekit.checking.kinds.base import Difference, Kind
from coursekit.checking.reading import Unclear, Unreadable, describe, is_a, plain, short, single, span

_PREFIXES = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}
_DATA = {f"{prefix}B": factor for prefix, factor in _PREFIXES.items()}
_DATA |= {f"{prefix}bit": factor / 8 for prefix, factor in _PREFIXES.items()}
_DATA |= {f"{prefix}iB": 1024 ** (power + 1) for power, prefix in enumerate("KMGTP")}
_DATA |= {"KB": 1e3, "Mb": 1e6 / 8, "Gb": 1e9 / 8, "kb": 1e3 / 8, "Kb": 1e3 / 8, "byte": 1, "bytes": 1, "bit": 1 / 8, "bits": 1 / 8}
_DATA |= {word.capitalize(): _DATA[word] for word in ("byte", "bytes", "bit", "bits")}
_TIME = {"ms": 1e-3, "s": 1, "sec": 1, "second": 1, "seconds": 1, "min": 60, "minute": 60, "minutes": 60}
_TIME |= {"h": 3600, "hour": 3600, "hours": 3600, "day": 86400, "days": 86400, "d": 86400}
_RATE = {f"{prefix}{unit}": factor for prefix, factor in [*_PREFIXES.items(), ("K", 1e3)] for unit in ("bit/s", "b/s", "bps", "bits/s")}
_RATE |= {f"{prefix}B/s": 8 * factor for prefix, factor in _PREFIXES.items()}

_HEXADECIMAL = re.compile(r"(?=.*[a-fA-F])[0-9a-fA-F]+( [0-9a-fA-F]+)*h?")
_FACTORS = (  # (family, factor, sentence); the family None holds for every unit
    (None, -1, "The sign is the wrong way round."),
    ("data", 8, "It is eight times too large: is it in bits, where bytes are asked?"),
    ("data", 1 / 8, "It is eight times too small: bits and bytes got mixed up."),
    *(
        ("data", factor, "It is off by a power of 1024/1000: decimal units (kB, MB, GB, TB) count in thousands, "
         "binary units (KiB, MiB, GiB, TiB) in 1024s.")
        for power in (1, 2, 3, 4)
        for factor in ((1000 / 1024) ** power, (1024 / 1000) ** power)
    ),
    *(
        ("data", factor, "The prefix is off: look again at kilo, mega, giga and tera, and at the unit that is asked.")
        for power in (1, 2, 3, 4)
        for base in (1000, 1024)
        for factor in (base**power, 1 / base**power)
    ),
    *(
        ("time", factor, "The unit of time is off: look at seconds, minutes and hours, and at the unit that is asked.")
        for factor in (60, 1 / 60, 3600, 1 / 3600, 1000, 1 / 1000, 24, 1 / 24)
    ),
    (None, 100, "It is a hundred times too large: is it a percentage, where a fraction is asked?"),
    (None, 1 / 100, "It is a hundred times too small: is it a fraction, where a percentage is asked?"),
)


class Number(Kind):
    """A number.

    variables : the learner's variable
    unit      : the unit that is asked, "" for a bare number; "bytes", "MB", "MiB", "Mbit", "s", "min", "h", "Mbit/s" are converted
    tolerance : how far from the solution an answer may be, in that unit; 0 means exact (up to floating-point noise)
    named     : words that may stand before the number: ("hop",) takes "hop 5"

    Forgives the numeric type, text such as "524 288", "524,288 bytes", "512 KiB", "0x2B68" or "12 %", and a single
    value in a list, array or 1x1 table; where a time is asked, the difference of two moments too, however it is held.
    """

    takes = "a number"

    def __init__(self, variables="result", unit="", tolerance=0, named=()):
        super().__init__(variables)
        self.unit = unit
        self.tolerance = tolerance
        self.named = tuple(named)
        self.family, self._scale = _family(unit)
        if unit:
            self.takes = f"a number of {unit}" if unit != "%" else "a percentage"

    def read(self, given):
        """A tuple of the numbers that the answer may mean (text such as "1,250" can mean two)."""
        if self.family == "time" and (seconds := span(given)) is not None:
            given = seconds / self._scale
        value = single(plain(given))
        if type(value) is str:
            readings = self._from_text(value)
        elif type(value) in (int, float):
            readings = (value,)
        elif value is None and given is not None:
            raise Unclear("a missing value")
        elif type(value) is list and is_a(given, tuple) and all(type(part) is int for part in value):
            raise Unreadable(
                "In Python a comma makes several values of one number. Write the number without commas, or put it in quotes."
            )
        else:
            raise Unclear(describe(given))
        for number in readings:
            if type(number) is float and not math.isfinite(number):
                raise Unclear("NaN, not a number" if math.isnan(number) else "infinity")
        return readings

    def _from_text(self, text):
        cleaned = text.strip().replace("\u00a0", " ").replace("\u2212", "-").replace("_", "")
        cleaned = re.sub(r"(?<=\d)\.(?=$|\s+[A-Za-z])", "", cleaned)                  # "173." or "173. mm"
        if self.named:
            cleaned = re.sub(rf"(?i)^(?:{'|'.join(self.named)})\s*(?:number|no\.|#)?\s*[:=]?\s*(?=[+-]?\d)", "", cleaned)
        if re.fullmatch(r"[+-]?0[xX][0-9a-fA-F]+", cleaned):
            return (int(cleaned, 16),)
        if re.fullmatch(r"[\d.\s()*/x\u00d7]*\d\s*[*/x\u00d7+]\s*\d[\d.\s()*/+x\u00d7-]*", cleaned):
            raise Unreadable(f"{short(text)} is a calculation in quotes. Leave the quotes out, with `*` for times, and Python works it out.")
        if self.family == "time" and (seconds := _seconds(cleaned, self.unit)) is not None:
            return (seconds / self._scale,)
        if re.match(r"\d{4}-\d\d-\d\d(?!\d)", cleaned):
            raise Unclear(f"{short(text)}, a date and not a number")
        match = re.fullmatch(r"([+-]?[\d., ']*\d(?:[eE][+-]?\d+)?)\s*([^\d\s].*)?", cleaned)
        if not match and _HEXADECIMAL.fullmatch(cleaned):
            raise Unreadable(f"{short(text)}: if these are hexadecimal digits, write `0x` in front, without blanks.")
        if not match:
            raise Unclear(f"the text {short(text)}, which holds no number that I can read" if cleaned else "empty text")
        digits, unit = match[1].replace(" ", "").replace("'", ""), (match[2] or "").strip().removesuffix(".")
        known = unit.casefold() in ("", self.unit.casefold()) or self.family and _family(unit)[0]
        if not known and _HEXADECIMAL.fullmatch(cleaned) and not re.fullmatch(r"\d+[eE]\d+", cleaned):
            raise Unreadable(f"{short(text)}: if these are hexadecimal digits, write `0x` in front, without blanks.")
        factor = self._factor(unit)
        candidates = []
        if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", digits):
            candidates.append(digits.replace(",", ""))
        if re.fullmatch(r"[+-]?\d+,\d+", digits):
            candidates.append(digits.replace(",", "."))
        if re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?", digits) and ("," in digits or digits.count(".") > 1):
            candidates.append(digits.replace(".", "").replace(",", "."))
        if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", digits):
            candidates.append(digits)
        if not self.tolerance and re.fullmatch(r"[+-]?[1-9]\d{0,2}\.\d{3}", digits):
            candidates.append(digits.replace(".", ""))         # one point may part thousands, where the number is to be exact
        if not candidates:
            raise Unclear(f"the text {short(text)}, which holds no number that I can read")
        numbers = [int(one) if re.fullmatch(r"[+-]?\d{1,300}", one) else float(one) for one in candidates]
        return tuple(number if factor == 1 else number * factor for number in numbers)

    def _factor(self, unit):
        unit = re.sub(r"(?i)(?<=[a-z])(?: per |\s*/\s*)(?:seconds?|sec\.?|s)$", "/s", unit)
        if not unit or unit.replace(" ", "").casefold() == self.unit.replace(" ", "").casefold():
            return 1
        if self.unit == "%" and re.fullmatch(r"per ?cent\.?|pct\.?", unit.casefold()):
            return 1
        if self.unit == "mm" and re.fullmatch(r"millimet(?:re|er)s?", unit.casefold()):
            return 1
        if self.unit == "HU" and re.fullmatch(r"hounsfield(?: units?)?", unit.casefold()):
            return 1
        family, scale = _family(unit)
        if family and family == self.family:
            return scale / self._scale
        if not self.unit and not family and unit.isalpha():
            return 1  # "144 grey" where a bare number is asked
        wanted = f"in {self.unit}" if self.unit else "as a bare number"
        raise Unclear(f"a number with the unit {short(unit)}, while it is asked {wanted}")

    def difference(self, answer, other):
        """None when one reading lies within the tolerance of the other answer."""
        target = other[0]
        if any(self._near(number, target) for number in answer):
            return None
        number = answer[0]
        for family, factor, sentence in _FACTORS:
            if family in (None, self.family) and number and target and self._near(number, target * factor, 1e-3):
                return Difference(sentence, "factor")
        if self._near(number, target, 0.02):
            whole = type(target) is int and not self.tolerance            # a count or an offset, which nobody rounds
            return Difference(
                "Close, but not it, and asked is the exact number. Check where you began and stopped, and that just the right things "
                "went in."
                if whole else
                "Close, but not it. Check that just the right values went in, that no step was left out, and round only at the end.", "close"
            )
        return Difference("That is not the number that was asked.", "value")

    def _near(self, number, target, relative=0.0):
        if type(number) is int and type(target) is int and not self.tolerance and not relative:
            return number == target
        try:
            margin = max(relative, 1e-9) * abs(target)
            return abs(number - target) <= (margin if relative else self.tolerance + margin)
        except OverflowError:
            return False


def _seconds(text, unit):
    """The seconds of a span of time in several parts, "1 day 4 h", or of "28:00" where hours are asked; None when it is neither."""
    if unit in ("h", "hour", "hours") and (found := re.fullmatch(r"(\d{1,9}):([0-5]\d)(?::([0-5]\d))?", text)):
        return 3600 * int(found[1]) + 60 * int(found[2]) + int(found[3] or 0)
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text[:60])
    between = re.sub(r"\d+(?:\.\d+)?\s*[a-z]+", "", text[:60])
    if len(parts) > 1 and len(text) <= 60 and set(between.replace("and", "")) <= {" ", ","} and all(one in _TIME for _, one in parts):
        return sum(float(number) * _TIME[one] for number, one in parts)
    return None


def _family(unit):
    """The family of a unit ("data", "time" or "rate"; "" when it's none of these) and its size in that family's base unit."""
    unit = unit.strip()
    for family, units in (("data", _DATA), ("time", _TIME), ("rate", _RATE)):
        if unit in units:
            return family, units[unit]
    return "", 1
