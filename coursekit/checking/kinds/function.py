"""Function: the learner's function, called on cases that the learner has not seen."""

import copy
import dis
import random
import types

from coursekit.checking import running
from coursekit.checking.kinds.base import Kind
from coursekit.checking.reading import Unclear, describe, is_a
from coursekit.checking.verdict import Outcome, Verdict

SECONDS = 3.0


class Function(Kind):
    """A function of the learner's.

    variables : the function's name
    result    : the kind that what it returns is compared as
    
    The exercise has `cases(draw)`, a list of argument tuples made with `draw`, a random.Random that depends on the
    edition; solution and wrong ways have the learner's signature. All calls together get three seconds. Prints,
    warnings and changes to the arguments don't matter. The first case that fails in no known way is kept as the exercise's
    `failed`, so that the learner can look at it.
    """

    takes = "a function"

    def __init__(self, variables, result):
        super().__init__(variables)
        self.result = result

    def not_answered(self, given):
        """`...` in place of the function, or a function whose body is still `...`."""
        return super().not_answered(given) or _is_untouched(given[0])

    def judge(self, exercise, given, editions):
        """The verdict on the function."""
        (function,) = given
        if not callable(function) or is_a(function, str):
            return self._no_function(function)
        cases = exercise.remembered(
            "cases", editions.own, lambda: exercise.cases(random.Random(f"{exercise.name} {editions.own.seed}"))
        )
        ran = running.run_all([_call(function, case) for case in cases], SECONDS)
        if ran.stopped:
            return self._stopped(ran, cases)
        results = []
        for case, value in zip(cases, ran.returned, strict=True):
            try:
                results.append(self.result.read(value))
            except Unclear as unclear:
                return self._returned(self._as_written(case), value, unclear)
        right = self._results(exercise, exercise.solution, cases, editions.own)
        differences = [self.result.difference(a, b) for a, b in zip(results, right, strict=True)]
        if not any(differences):
            return Verdict(Outcome.CORRECT, exercise.praise, "correct", exercise.points)
        for way, feedback in exercise.wrong_ways.items():
            wrong = self._results(exercise, way, cases, editions.own)
            if not any(
                b is None or self.result.difference(a, b) is not None for a, b in zip(results, wrong, strict=True)
            ):
                return Verdict(Outcome.NOT_YET, feedback, way.__name__)
        first = next(place for place, difference in enumerate(differences) if difference)
        exercise.failed = copy.deepcopy(cases[first])
        kept = f"{exercise.lesson.variable}.{exercise.handle}.failed"
        failed = sum(difference is not None for difference in differences)
        fits = "It is right for none of the cases tried" if failed == len(cases) else (
            f"It is right for {len(cases) - failed} of the {len(cases)} cases tried")
        return Verdict(
            Outcome.NOT_YET,
            f"{fits}. For {self._as_written(cases[first])} it returned {_shortened(ran.returned[first])}. "
            f"{differences[first].message} That case is kept in `{kept}`; to run it: `{self.variables[0]}(*{kept})`.",
            "value",
        )

    def _results(self, exercise, function, cases, hospital):
        """What the solution or a wrong way returns for each case, read as an answer is; None where it can't."""

        def compute():
            values = []
            for case in cases:
                try:
                    values.append(self.result.read(_call(function, case)()))
                except Exception:  # a wrong way may fail on some case, as a learner's function with that idea would
                    values.append(None)
            return values

        return exercise.remembered((self, function), hospital, compute)

    def _no_function(self, given):
        return Verdict(
            Outcome.NOT_YET,
            f"This exercise takes a function: give its name `{self.variables[0]}` without parentheses. You gave {describe(given)}.",
            "unreadable",
        )

    def _returned(self, case, value, unclear):
        """For `case`, in words, the function returned a value that can't be read."""
        hint = " Is a `return` missing?" if value is None else ""
        return Verdict(
            Outcome.NOT_YET,
            f"For {case} your function should return {self.result.takes}; it returned {str(unclear).rstrip('.')}.{hint}",
            "unreadable",
        )

    def _stopped(self, ran, cases, seconds=SECONDS):
        case = self._as_written(cases[len(ran.returned)])
        if ran.stopped == "error":
            return Verdict(Outcome.NOT_YET, f"For {case} {ran.error}.", "error")
        left = (
            " It could not be stopped and still runs in the background: restart the kernel before you go on."
            if ran.stopped == "stubborn"
            else ""
        )
        return Verdict(
            Outcome.NOT_YET,
            f"For {case} your function did not finish within {seconds:.0f} seconds, so it was stopped. Is there a loop that never "
            f"ends?{left}",
            "time",
        )

    def _as_written(self, case):
        return f"`{self.variables[0]}({', '.join(_shortened(value, 50, False) for value in case)})`"

    def shown(self, function_source):
        """The solution under the name of the learner's function."""
        return function_source.as_function(self.variables[0])

    def stub_of(self, function_source):
        """The untouched function, with the solution's parameters."""
        return f"{function_source.signature(self.variables[0])}\n    ..."


def _call(function, case):
    return lambda: function(*copy.deepcopy(case))


def _shortened(value, most=60, quoted=True):
    try:
        text = repr(value) if type(value) in (int, float, str, bytes, bool, list, tuple, dict, type(None)) else describe(value)
    except BaseException:  # a list may hold an object of the learner's whose repr raises
        text = describe(value)
    text = text if len(text) <= most else text[: most - 1] + "…"
    return f"`{text}`" if quoted and "`" not in text else text


def _is_untouched(value):
    """Whether a function does nothing but `...` or `pass`."""
    if type(value) is not types.FunctionType:
        return False
    does = [step for step in dis.get_instructions(value) if step.opname not in ("RESUME", "NOP", "COPY_FREE_VARS")]
    names = [step.opname for step in does]
    if names == ["RETURN_CONST"] or names == ["LOAD_CONST", "RETURN_VALUE"]:
        return does[0].argval in (None, Ellipsis)
    return False
