"""Set: several values in any order."""

import re
import sys

from coursekit.checking.kinds.base import Difference, Kind
from coursekit.checking.kinds.text import element_or_tag, read_text, read_with
from coursekit.checking.reading import Unclear, Unreadable, describe, is_library, plain, short


def one_or_more(missing):
    """The beginning of a sentence on values that lack: "Another is" or "Others are"."""
    return "Another is" if len(missing) == 1 else "Others are"


class Set(Kind):
    """Several values whose order doesn't matter: UIDs, tags, accession numbers.

    variables : the learner's variable
    reading   : as for Text, for each value
    case      : as for Text
    named     : words that may stand before a value, with an s too: ("image",) takes "image 41"

    Forgives list, tuple, set, array, Series, a table of one column, a dictionary of lists or from each value to True or False, text
    separated by commas, lines or blanks, and repetition.
    """

    takes = "a list or set of values"

    def __init__(self, variables="result", reading=None, case=False, named=()):
        super().__init__(variables)
        self.reading, self.case = reading, case
        self._word_before = re.compile(rf"(?i)^\s*(?:{'|'.join(named)})s?\b\s*(?:number|no\.|#)?\s*[:=]?\s*(?=\S)") if named else None

    def read(self, given):
        """A dict from each value in the form that is compared to the value as it was given."""
        if type(given) in (list, tuple) and self.reading is not None:
            given = [element_or_tag(self.reading, item) for item in given]
        if is_library(given, "pandas", "DataFrame"):
            frame = sys.modules["pandas"].DataFrame(given)
            given = frame.iloc[:, 0] if len(frame.columns) == 1 else given
        value = plain(given)
        if type(value) is str:
            value = self._word_before.sub("", value) if self._word_before is not None else value
            parts = [part for part in re.split(r"[;\n]|,(?![0-9a-fA-F]{4}\b)|\band\b", value) if part.strip()]
            value = value.split() if len(parts) == 1 else parts
        if type(value) is dict and value and all(type(part) is bool for part in value.values()):
            value = [name for name, belongs in value.items() if belongs]
        if type(value) is dict:
            inside = list(value.values())
            value = [one for part in inside for one in part] if inside and all(type(part) is list for part in inside) else list(value)
        if type(value) in (int, float):
            value = [value]
        if type(value) is not list:
            raise Unclear(describe(given))
        return {self._read_one(item): item for item in value}

    def _read_one(self, item):
        try:
            return self._one(item)
        except Unreadable:
            raise
        except Unclear as unclear:
            number = f" ({short(item)})" if type(item) in (int, float) else ""
            raise Unreadable(f"One of your values is {unclear}{number}, which can't be read here.") from None

    def _one(self, item):
        if type(item) is list and len(item) == 1:
            item = item[0]
        if type(item) is float and item.is_integer():
            item = int(item)
        if self._word_before is not None and type(item) is str:
            item = self._word_before.sub("", item)
        if self.reading is not None:
            return read_with(self.reading, item)
        return read_text(item, item) if self.case else read_text(item, item).casefold()

    def difference(self, answer, other):
        """None when both hold the same values."""
        extra = [given for value, given in answer.items() if value not in other]
        missing = [value for value in other if value not in answer]
        if not extra and not missing:
            return None
        if not answer:
            return Difference("It is empty.", "empty")
        found = len(answer) - len(extra)
        for value in answer if self.case else ():
            if value not in other and value.casefold() in map(str.casefold, other):
                return Difference(f"{short(answer[value])} has the right letters, but upper and lower case matter here.", "case")
        if extra and not found:
            return Difference(f"None of your values belongs there; the first is {short(extra[0])}.", "extra")
        if extra:
            more = f", and {len(extra) - 1} more" if len(extra) > 1 else ""
            also = f" {one_or_more(missing)} missing." if missing else ""
            return Difference(f"{short(extra[0])} does not belong there{more}.{also}", "extra")
        return Difference("What you have is right, but it is not all: at least one is missing.", "missing")
