"""Fields: a dictionary whose entries are answers of their own."""

import re
import sys

from coursekit.checking.kinds.base import Difference, Kind
from coursekit.checking.reading import Unclear, Unreadable, describe, is_library, plain, short
from coursekit.checking.verdict import Outcome, Verdict


class Fields(Kind):
    """A dictionary with given entries: a plan, a set-up, a decision with its reasons.

    variables : the learner's variable
    entries   : dict from the name of each entry to the kind that it is compared as; the kind's own variables don't matter
    in_order  : True when a list of the values in the order of the entries will do
    takes     : what is asked, as a phrase, where "a dictionary" is not what the exercise says: "two texts, the name and the reason"
    remark    : a function of (name of the entry, what was given, what is right, both as the kind reads them, input), which gives a
                sentence on a wrong entry that no wrong way explains, or None; `input` gives an input of the lesson by its name

    Forgives the order of the entries, their case, blanks for underscores, a Series, a list of pairs or a table of one row. A wrong entry is
    diagnosed by itself: the wrong way that has the same in that entry, and not what is right, speaks.
    """

    takes = "a dictionary"

    def __init__(self, variables, entries, in_order=False, remark=None, takes="a dictionary"):
        super().__init__(variables)
        self.takes = takes
        self.entries = dict(entries)
        self.in_order, self.remark = in_order, remark

    def not_answered(self, given):
        """`...` in place of the dictionary or of all its entries."""
        value = given[0]
        if type(value) is dict and value:
            return all(entry is Ellipsis for entry in value.values())
        return super().not_answered(given)

    def read(self, given):
        """A dict from each entry's name to its value as the entry's kind reads it."""
        written = self._written(given)
        known = {_name(name): name for name in self.entries}
        found = {}
        for name, value in written.items():
            if type(name) is not str:
                raise Unreadable(f"The name of an entry is {describe(name)}; the entries are {_listed(self.entries)}.")
            entry = known.get(_name(name))
            if entry is None:
                raise Unreadable(f"An entry {short(name)} was not asked for; the entries are {_listed(self.entries)}.")
            if entry in found:
                raise Unreadable(f"The entry `{entry}` is there twice.")
            found[entry] = value
        for name in self.entries:
            if name not in found:
                raise Unreadable(f"The entry `{name}` is missing.")
            if found[name] is Ellipsis:
                raise Unreadable(f"The entry `{name}` is still open: put your answer in place of its `...`.")
        values = {}
        for name, kind in self.entries.items():
            try:
                values[name] = kind.read(found[name])
            except Unclear as unclear:
                raise Unreadable(f"About `{name}`: {_inside(unclear.sentence(kind.takes))}") from None
        return values

    def _written(self, given):
        """The entries as the learner wrote them."""
        if type(given) is dict:
            return given
        if is_library(given, "pandas", "Series"):
            series = sys.modules["pandas"].Series(given)
            return dict(zip(plain(series.index), plain(series), strict=True))
        if is_library(given, "pandas", "DataFrame"):
            frame = sys.modules["pandas"].DataFrame(given)
            if len(frame) == 1:
                return {str(name): plain(frame.iloc[0, place]) for place, name in enumerate(frame.columns)}
        value = plain(given)
        if self._is_pairs(value):
            if len({_name(name) for name, _ in value}) < len(value):
                raise Unreadable("An entry is there twice.")
            return dict(value)
        if self.in_order and type(value) is list and len(value) == len(self.entries) and not any(type(one) is dict for one in value):
            return dict(zip(self.entries, value, strict=True))
        if type(value) is not dict:
            raise Unclear(describe(given))
        return value

    def _is_pairs(self, value):
        """Whether it is a list of pairs, each of an entry's name and its value."""
        names = set(map(_name, self.entries))
        return type(value) is list and bool(value) and all(
            type(one) is list and len(one) == 2 and type(one[0]) is str and _name(one[0]) in names for one in value)

    def difference(self, answer, other):
        """None when all entries agree."""
        for name, kind in self.entries.items():
            difference = kind.difference(answer[name], other[name])
            if difference is not None:
                return Difference(f"About `{name}`: {_inside(difference.message)}", difference.label)
        return None

    def judge(self, exercise, given, editions):
        """As for every kind, but the first wrong entry alone decides which wrong way it is."""
        verdict = super().judge(exercise, given, editions)
        if verdict.correct or verdict.label == "unreadable" or verdict.label in {way.__name__ for way in exercise.wrong_ways}:
            return verdict
        answer, right = self.read(*given), self._computed(exercise, exercise.solution, editions)
        name = next(name for name, kind in self.entries.items() if kind.difference(answer[name], right[name]) is not None)
        for way, feedback in exercise.wrong_ways.items():
            wrong = self._computed(exercise, way, editions)
            # A way that is wrong in an earlier entry as well is about that one.
            first = next((one for one, kind in self.entries.items() if kind.difference(wrong[one], right[one]) is not None), None)
            if first == name and self.entries[name].difference(answer[name], wrong[name]) is None:
                return Verdict(Outcome.NOT_YET, feedback, way.__name__)
        sentence = self.remark and self.remark(
            name, answer[name], right[name], lambda one: exercise.lesson.input_of(one, editions.own))
        return Verdict(Outcome.NOT_YET, f"About `{name}`: {_inside(sentence)}", verdict.label) if sentence else verdict

    def stub(self):
        """The dictionary with all its entries open."""
        entries = "\n".join(f'    "{name}": ...,' for name in self.entries)
        return f"{self.variables[0]} = {{\n{entries}\n}}"


def _name(name):
    return re.sub(r"[\s_\-]+", "_", name.strip()).casefold()


def _listed(names):
    return ", ".join(f"`{name}`" for name in names)


def _inside(sentence):
    """A sentence as it goes on after a colon: without its capital, unless its first word is a name such as PID-15, PACS or R."""
    word = sentence.split(maxsplit=1)[0]
    name = word != "A" and (len(word) == 1 or not word[1:].islower() and any(letter.isupper() or letter.isdigit() for letter in word[1:]))
    return sentence if name else sentence[0].lower() + sentence[1:]
