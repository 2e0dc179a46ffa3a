"""What every kind of answer has in common."""

from typing import NamedTuple

from coursekit.checking.reading import Unclear
from coursekit.checking.verdict import Outcome, Verdict


class Difference(NamedTuple):
    """How an answer differs from another: a sentence for the learner that doesn't hold the right value, and its label."""

    message: str
    label: str


class Kind:
    """A kind of answer.

    A kind that compares one value with another says how to `read` what was given and how two values read so differ;
    `judge` then finds the verdict. A kind that carries the answer out (a query, a function) has a `judge` of its own.

    variables : the names of the learner's variables, in the notebook and in the solution that is shown
    takes     : what the kind takes, as a phrase: "a number"
    """

    takes = "an answer"

    def __init__(self, variables):
        self.variables = tuple(name.strip() for name in variables.split(","))

    def read(self, *given):
        """What was given, in the form that `difference` compares. Raises Unclear with a phrase for what it is instead."""
        raise NotImplementedError

    def difference(self, answer, other):
        """None when the two values (as `read` returns them) count as the same, else how the first differs."""
        raise NotImplementedError

    def not_answered(self, given):
        """Whether the learner has left the place for the answer as it was."""
        return any(value is Ellipsis for value in given)

    def judge(self, exercise, given, editions):
        """The verdict on what was given.

        exercise : Exercise, with the solution and the wrong ways
        given    : tuple, one value per variable
        editions : Editions, the learner's own hospital and the unseen ones
        """
        try:
            answer = self.read(*given)
        except Unclear as unclear:
            return Verdict(Outcome.NOT_YET, unclear.sentence(self.takes), "unreadable")
        difference = self.difference(answer, self._computed(exercise, exercise.solution, editions))
        if difference is None:
            return Verdict(Outcome.CORRECT, exercise.praise, "correct", exercise.points)
        for way, feedback in exercise.wrong_ways.items():
            if self.difference(answer, self._computed(exercise, way, editions)) is None:
                return Verdict(Outcome.NOT_YET, feedback, way.__name__)
        return Verdict(Outcome.NOT_YET, difference.message, difference.label)

    def _computed(self, exercise, function, editions):
        """What the solution or a wrong way computes on the learner's hospital, read as an answer is."""
        value = exercise.computed(function, editions.own)
        return self.read(*value) if len(self.variables) > 1 else self.read(value)

    def shown(self, function_source):
        """The source of a solution as the learner would have written it in the notebook."""
        return function_source.as_assignment(", ".join(self.variables))

    def stub(self):
        """The answer cell of an untouched notebook, without the line that checks it."""
        return "\n".join(f"{name} = ..." for name in self.variables)
