"""Query: SQL text, carried out on the learner's database and on hospitals that the learner has not seen."""

import re

from coursekit.checking.kinds.base import Kind
from coursekit.checking.kinds.table import Rows, Table
from coursekit.checking.reading import Unclear, Unreadable, describe, is_library, plain
from coursekit.checking.verdict import Outcome, Verdict
from coursekit.errors import CourseError

MOST_ROWS = 100_000
SECONDS = 3.0


class Query(Kind):
    """SQL text.

    variables : the learner's variable
    database  : the hospital's attribute that carries it out: its `rows(sql, seconds, most)` gives the columns' names and the
                rows, changes nothing, and raises CourseError with a sentence when it won't; its `scanned(sql)` names the first
                table that the query would read as a whole, or gives "", and its `visited(sql)` about how many rows it looks at
    result    : the Table (or one-column Table) that the query's result is compared as; columns by name, or by place when
                the names differ
    uses_index: True when the query must find its rows by an index instead of reading the whole table or a wide range of it
    named     : True when the columns must have the names that are asked

    The query runs read-only and for three seconds at most.
    """

    takes = "an SQL query, as text between quotes"

    def __init__(self, variables="query", database="pacs", result=None, uses_index=False, named=False):
        super().__init__(variables)
        self.database = database
        self.result = result or Table()
        self.uses_index = uses_index
        self.named = named

    def read(self, given):
        """The SQL text."""
        if is_library(given, "pandas", "DataFrame"):
            raise Unreadable(
                "You gave the result of a query. This exercise takes its text: leave out `pacs.sql(` and the bracket at the end."
            )
        value = plain(given)
        if type(value) is not str:
            raise Unclear(describe(given))
        if not value.strip():
            raise Unclear("empty text")
        if re.fullmatch(r"[\d\s.,]+", value):
            raise Unreadable("You gave a number. This exercise takes the query that finds it, as text between quotes: `SELECT ...`.")
        if re.match(r"\s*explain\b", value, re.IGNORECASE):
            raise Unreadable("This asks how the query would be carried out. Leave out `EXPLAIN QUERY PLAN` or `EXPLAIN`: the query itself "
                             "is the answer.")
        if len(value) > 20_000:
            raise Unclear(f"a text of {len(value):,} characters")
        return value

    def judge(self, exercise, given, editions):
        """The verdict on the query, on the learner's hospital first and then on the unseen ones."""
        try:
            sql = self.read(*given)
        except Unclear as unclear:
            return Verdict(Outcome.NOT_YET, unclear.sentence(self.takes), "unreadable")
        hospitals = editions.all()
        try:
            got = [self._carried_out(sql, editions.asked(hospital)) for hospital in hospitals]
        except CourseError as refused:
            return Verdict(Outcome.NOT_YET, str(refused), "refused")
        right = [self._reference(exercise, exercise.solution, hospital) for hospital in hospitals]
        differences = [self.result.difference(*self._aligned(a, b)) for a, b in zip(got, right, strict=True)]
        number, difference = next(((place, one) for place, one in enumerate(differences) if one), (0, None))
        if difference is None:
            flaw = self._nameless(got[0], right[0]) or self._reading_too_much(exercise, sql, editions)
            if flaw:
                return Verdict(Outcome.NOT_YET, *flaw)
            return Verdict(Outcome.CORRECT, exercise.praise, "correct", exercise.points)
        for way, feedback in exercise.wrong_ways.items():
            # The unseen hospitals first: they are small, and one that differs settles it.
            if all(
                self.result.difference(*self._aligned(got[place], self._reference(exercise, way, hospitals[place]))) is None
                for place in reversed(range(len(hospitals)))
            ):
                return Verdict(Outcome.NOT_YET, feedback, way.__name__)
        for sign, way in exercise.signs.items():
            if re.search(sign, sql, re.IGNORECASE | re.DOTALL):
                return Verdict(
                    Outcome.NOT_YET, f"Look at this first. {exercise.wrong_ways[way]}", way.__name__
                )
        if number:
            return Verdict(
                Outcome.NOT_YET,
                "On your hospital's database the result is right, but on another hospital's it is not. Your query may hold "
                f"something that is only true here, such as a key or a name. There: {difference.message}",
                "only here",
            )
        return Verdict(Outcome.NOT_YET, difference.message, difference.label)

    def _nameless(self, got, right):
        """(message, label) when names of columns that are asked are missing, else None."""
        wanted = [name for name in right.columns if name.casefold() not in map(str.casefold, got.columns)]
        if not self.named or not wanted:
            return None
        return (f"The values are right. But who reads the result must know what is what: no column is called `{wanted[0]}`. `AS` gives "
                "a column its name.", "column names")

    def _reading_too_much(self, exercise, sql, editions):
        """(message, label) when an index must be used and none is, or one without avail, else None."""
        if not self.uses_index:
            return None
        database = getattr(editions.asked(editions.own), self.database)
        table = database.scanned(sql)
        if table:
            return (f"The result is right, but the database reads the whole table `{table}` to find it. On a busy archive "
                    "that hurts: write the condition so that an index can be used (`EXPLAIN QUERY PLAN`, on PostgreSQL `EXPLAIN`, "
                    "shows it).", "full scan")
        visited, enough = (database.visited(text) for text in (sql, exercise.computed(exercise.solution, editions.own)))
        if visited > 10 * enough + 100:
            times = f"{visited / max(enough, 1):.0f} times"
            return (f"The result is right, and an index is used. But the range that it is asked for is wide: about {times} as many rows "
                    "are read as needed, and another condition throws most of them away again. Let the range on the bare column begin and "
                    "end where the question does.", "wide range")
        return None

    def _reference(self, exercise, function, hospital):
        """The result of the solution's or a wrong way's query, remembered per hospital."""
        return exercise.remembered(
            (self, function), hospital, lambda: self._carried_out(exercise.computed(function, hospital), hospital)
        )

    def _carried_out(self, sql, hospital):
        return Rows(*getattr(hospital, self.database).rows(sql, seconds=SECONDS, most=MOST_ROWS))

    def _aligned(self, answer, other):
        """The answer with the other result's column names when as many columns have other names."""
        ours = [name.casefold() for name in other.columns]
        if len(answer.columns) == len(other.columns) and sorted(map(str.casefold, answer.columns)) != sorted(ours):
            answer = Rows(list(other.columns), answer.rows)
        return answer, other
