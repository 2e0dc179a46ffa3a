"""Text: a word, a name, a code, a UID."""

import difflib
import re

from coursekit.checking.kinds.base import Difference, Kind
from coursekit.checking.reading import Unclear, Unreadable, describe, is_library, plain, short, single

LONGEST = 10_000


class Text(Kind):
    """A piece of text.

    variables : the learner's variable
    case      : True when upper and lower case differ in what is asked (an AE title)
    reading   : a function that turns what a person may write into one form, raising ValueError with a sentence when
                it can't (`coursekit.standards.dicom.tag`); it gets text, or a number or list as the learner gave it
    remark    : a function of (the text, the right one), both in the form that is compared, which gives a sentence on a wrong one

    Forgives blanks and padding around and inside, quotes, and case unless it matters.
    """

    takes = "text"

    def __init__(self, variables="result", case=False, reading=None, remark=None):
        super().__init__(variables)
        self.case = case
        self.reading = reading
        self.remark = remark

    def read(self, given):
        """The text in the form that is compared."""
        if self.reading is None:
            return read_text(single(plain(given)), given)
        return read_with(self.reading, single(plain(element_or_tag(self.reading, given))))

    def difference(self, answer, other):
        """None when the texts agree."""
        if answer == other or (not self.case and answer.casefold() == other.casefold()):
            return None
        if self.remark:
            return Difference(self.remark(answer, other), "remark")
        if answer.casefold() == other.casefold():
            return Difference("The letters are right, but upper and lower case matter here.", "case")
        if len(other) > 12 and difflib.SequenceMatcher(None, answer, other).ratio() > 0.9:
            return Difference(
                "Nearly the same. If you typed it, compare it character by character; if you copied it, it is another one.", "typing"
            )
        return Difference("That is not what was asked.", "value")


def word_of_a_table(value):
    """A reading: one of the words of a table, with blanks, hyphens or underscores, in any case."""
    if type(value) is not str:
        raise ValueError("give one of the words of the table, in quotes")
    return re.sub(r"[\s_\-]+", " ", value.strip(" '\"").casefold())


def element_or_tag(reading, given):
    """What was given; of a DICOM element whose value can't be read, its tag: an element stands for both."""
    if not is_library(given, "pydicom.dataelem", "DataElement"):
        return given
    try:
        read_with(reading, single(plain(given)))
    except Unclear:
        return int(given.tag)
    return given


def read_text(value, given):
    """Text as it's compared: padding, quotes and doubled blanks removed. Raises Unclear when it's no text."""
    if type(value) is bytes:
        value = value.decode("latin-1")
    if type(value) is int and abs(value) >= 10**400:
        raise Unclear("a number of more than four hundred digits")
    if type(value) in (int, float):
        value = str(value)
    if type(value) is not str:
        raise Unclear(describe(given))
    if len(value) > LONGEST:
        raise Unclear(f"a text of {len(value):,} characters")
    value = " ".join(value.replace("\0", " ").split())
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"`":
        value = value[1:-1].strip()
    if not value:
        raise Unclear("empty text")
    return value


def read_with(reading, value):
    """The value in the form that `reading` makes of it. Raises Unclear with the sentence of its ValueError."""
    if value is None or value is Ellipsis or type(value) in (bool, float, dict):
        raise Unclear(describe(value))
    if type(value) is bytes:
        value = value.decode("latin-1")
    if type(value) is str and len(value) > LONGEST:
        raise Unclear(f"a text of {len(value):,} characters")
    try:
        return reading(value)
    except (ValueError, TypeError, KeyError, OverflowError) as problem:
        sentence = str(problem).rstrip(".")
        raise Unreadable(f"{short(value)} can't be read here: {sentence}.") from None
