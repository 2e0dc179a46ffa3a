"""Pick: some rows of a table of the lesson, by the name that each has."""

import re
import sys

from coursekit.checking.kinds.set import Set, one_or_more
from coursekit.checking.reading import Unclear, Unreadable, is_library, plain, short
from coursekit.checking.verdict import Outcome, Verdict

SHORTEST_END = 3  # characters: what is shorter is more likely a row's number than the end of a name


class Pick(Set):
    """Some rows of one of the lesson's tables, by their names; a row too many or too few is told with its reason.

    variables : the learner's variable
    about     : the name of the lesson's input: a DataFrame or a list of dictionaries
    column    : the column with the names
    looks     : what a name looks like: an example that is none of the table's
    reading   : as for Text, for each name
    also      : another column that tells the rows apart, whose values count as names too
    remark    : a function of (the row as a dictionary, whether it is one too many) that gives a sentence or None; the sentence does not
                hold the names of rows that lack

    Forgives what Set forgives, the rows themselves in any form, and, where no `reading` is given, what only one of the names ends in.
    """

    takes = "a list of names"

    def __init__(self, variables, about, column, looks, reading=None, also=None, remark=None):
        super().__init__(variables, reading)
        self.about, self.column, self.looks, self.also, self.remark = about, column, looks, also, remark

    def read(self, given):
        """A dict from each name in the form that is compared to the name as it was given."""
        try:
            given = self._names(given)
        except Exception:  # something that only looks like a table: it is read as it is, or refused with a sentence
            pass
        return super().read(given)

    def _names(self, given):
        # By the type alone: a learner's own object may do anything when it is asked.
        if type(given) is str and not self.also and " " not in self.looks:          # no name has blanks, so each of them parts two names
            return re.sub(r"\s+", ";", given.strip())
        if is_library(given, "pandas", "DataFrame"):
            frame = sys.modules["pandas"].DataFrame(given)
            if self.column in frame.columns:
                return plain(frame[self.column])
            return plain(frame.index) if frame.index.name == self.column else given
        if type(given).__module__.partition(".")[0] == "pandas":
            return given.tolist()  # a column, an index, or what .unique() returns
        if type(given) is dict and type(given.get(self.column)) is list:
            return given[self.column]
        return [self._name(row) for row in given] if type(given) in (list, tuple) else given

    def _name(self, row):
        if type(row) is dict:
            return row.get(self.column, row)
        if issubclass(type(row), tuple) and self.column in getattr(type(row), "_fields", ()):
            return getattr(row, self.column)
        return row

    def judge(self, exercise, given, editions):
        """As for a set; but what is no name of the table is said to be none, and a row too many or too few is explained."""
        try:
            answer = self.read(*given)
        except Unclear:
            return super().judge(exercise, given, editions)
        rows = self._rows(exercise.lesson.input_of(self.about, editions.own))
        known = {self._one(row[self.column]): row for row in rows}
        others = {str(row[self.also]).casefold(): name for name, row in known.items()} if self.also else {}
        try:
            found = [self._known(name, written, known, others) for name, written in answer.items()]
        except Unreadable as unknown:
            return Verdict(Outcome.NOT_YET, str(unknown), "unknown name")
        verdict = super().judge(exercise, ([known[name][self.column] for name in found],), editions)
        if verdict.label not in ("extra", "missing") or self.remark is None:
            return verdict
        right = self._computed(exercise, exercise.solution, editions)
        extra, missing = [name for name in found if name not in right], [name for name in right if name not in found]
        sentence = self.remark(known[(extra or missing)[0]], bool(extra))
        if not sentence:
            return verdict
        if not extra:
            return Verdict(Outcome.NOT_YET, f"{verdict.message} {sentence}", verdict.label)
        message = f"{short(known[extra[0]][self.column])} does not belong there. {sentence}"
        if len(extra) > 1:
            message += f" Nor do{'es' * (len(extra) == 2)} {len(extra) - 1} more."
        also = f" {one_or_more(missing)} missing." if missing else ""
        return Verdict(Outcome.NOT_YET, f"{message}{also}", verdict.label)

    def _known(self, name, written, known, others):
        """The name in the table that is meant."""
        if name in known:
            return name
        if name in others:
            return others[name]
        ends = [one for one in known if one.endswith(name)] if self.reading is None and len(name) >= SHORTEST_END else []
        if len(ends) == 1:
            return ends[0]
        more = f" {len(ends)} of them end in it." if ends else ""
        raise Unreadable(f"{short(written)} is no `{self.column}` in `{self.about}`.{more} Names there have the form `{self.looks}`.")

    @staticmethod
    def _rows(table):
        return table.to_dict("records") if is_library(table, "pandas", "DataFrame") else table
