"""Function: the learner's function, called on cases that the learner has not seen."""

import copy
import datetime
import dis
import types

from coursekit.checking import running
from coursekit.checking.kinds.base import Kind
from coursekit.checking.reading import Unclear, Unreadable, describe, is_a
from coursekit.checking.verdict import Outcome, Verdict


class Function(Kind):
    """A function of the learner's.

    variables : the function's name
    result    : the kind that what it returns is compared as
    about     : a function of a case's arguments that says in a sentence what to look at in that case, or None; told in place of the
                kind's own sentence when the case fails in no known way, and where the function stops in that case or returns nothing
    remark    : a function of (the case's arguments as a tuple, what was returned as the result's kind reads it), which says in a
                sentence what is wrong with it, or None; told in place of `about`

    The exercise has `cases(draw)`, a list of argument tuples made with `draw`, a random.Random that depends on the
    edition; `cases(draw, refused)` gets the lesson's input of that name too. Solution and wrong ways have the learner's signature. All
    calls together get three seconds. Prints, warnings and changes to the arguments don't matter. A wrong way may also end with an
    exception: whoever meets the same one in the same case is told its feedback (of several such ways the one that agrees in the cases
    before, or else the first). Several mistakes that come together are known by each of them: the one that fails the most cases speaks
    first. The first case that fails, in whatever way, is kept as the exercise's `failed`, so that the learner can look at it.
    """

    takes = "a function"
    seconds = 3.0                                       # for all calls together
    endless = "Is there a loop that never ends?"        # asked of one that took longer

    def __init__(self, variables, result, about=None, remark=None):
        super().__init__(variables)
        self.result = result
        self.about, self.remark = about, remark

    def not_answered(self, given):
        """`...` in place of the function, or a function whose body is still `...`."""
        return super().not_answered(given) or _is_untouched(given[0])

    def judge(self, exercise, given, editions):
        """The verdict on the function."""
        (function,) = given
        if not callable(function) or is_a(function, str):
            return self._no_function(function)
        cases = exercise.cases_on(editions.own)
        ran = running.run_all([_call(function, case) for case in cases], self.seconds)
        if ran.stopped:
            exercise.failed = copy.deepcopy(cases[len(ran.returned)])
            alike = self._failing_alike(exercise, ran, cases)
            return alike or self._with_the_case(exercise, cases[len(ran.returned)], self._stopped(ran, cases))
        results = []
        for case, value in zip(cases, ran.returned, strict=True):
            try:
                results.append(self.result.read(value))
            except Unclear as unclear:
                exercise.failed = copy.deepcopy(case)
                told = self._returned(self._as_written(case), value, unclear)
                return self._with_the_case(exercise, case, told) if value is None else told
        right = self._results(exercise, exercise.solution, cases, editions.own)
        differences = [self.result.difference(a, b) for a, b in zip(results, right, strict=True)]
        if not any(differences):
            return Verdict(Outcome.CORRECT, exercise.praise, "correct", exercise.points)
        first = next(place for place, difference in enumerate(differences) if difference)
        exercise.failed = copy.deepcopy(cases[first])
        for way, feedback in exercise.wrong_ways.items():
            wrong = self._results(exercise, way, cases, editions.own)
            if not any(
                b is None or self.result.difference(a, b) is not None for a, b in zip(results, wrong, strict=True)
            ):
                return Verdict(Outcome.NOT_YET, feedback, way.__name__)
        if all(value is None for value in ran.returned):
            return Verdict(Outcome.NOT_YET, self._of_nothing(function, cases[first], results[first]), "nothing")
        part = self._largest_part(exercise, cases, results, right, editions.own)
        if part is not None:
            feedback = f"More than one thing is not right yet. Look at this first. {exercise.wrong_ways[part]}"
            return Verdict(Outcome.NOT_YET, feedback, part.__name__)
        failed = sum(difference is not None for difference in differences)
        fits = "It is right for none of the cases tried" if failed == len(cases) else (
            f"It is right for {len(cases) - failed} of the {len(cases)} cases tried")
        sentence = (self.remark and self.remark(cases[first], results[first]) or self.about and self.about(*cases[first])
                    or differences[first].message)
        return Verdict(
            Outcome.NOT_YET,
            f"{fits}. {self._told(cases[first], ran.returned[first])} {sentence}{_unheeded(function)} "
            f"{self._kept(exercise)}",
            "value",
        )

    def _of_nothing(self, function, case, result):
        """What to say of a function that returns None for every case."""
        if not _hands_back(function):
            return ("Your function returns None for every case tried. Is a `return` missing? `print` only shows a value, `return` hands it "
                    "back.")
        sentence = self.remark and self.remark(case, result)
        return ("Your function returns None for every case tried, though it has a `return` with a value: the condition before it never "
                f"holds, or the value is None itself, as that of `print` is.{f' {sentence}' if sentence else ''}{_unheeded(function)}")

    def _largest_part(self, exercise, cases, results, right, hospital):
        """Of the wrong ways that together make all mistakes of the answer, the one that makes most of them; None when they don't."""

        def same(one, other):
            return one is not None and self.result.difference(other, one) is None

        failed = {place for place, value in enumerate(right) if not same(value, results[place])}
        parts = {}
        for way in exercise.wrong_ways:
            wrong = self._results(exercise, way, cases, hospital)
            mistakes = {place for place, value in enumerate(right) if not same(wrong[place], value)}
            if mistakes and all(same(wrong[place], results[place]) for place in mistakes):
                parts[way] = mistakes
        if not failed <= set().union(*parts.values()):
            return None
        return max(parts, key=lambda way: len(parts[way]))

    def _kept(self, exercise):
        """Where the learner finds the case that failed, in a sentence."""
        kept = f"{exercise.lesson.variable}.{exercise.handle}.failed"
        return f"That case is kept in `{kept}`; to run it: `{self.variables[0]}(*{kept})`."

    def _with_the_case(self, exercise, case, verdict):
        """The verdict on a function that stopped or returned None, and, where `about` has words for a case, what the case is."""
        sentence = self.about and self.about(*case)
        return Verdict(verdict.outcome, f"{verdict.message} {sentence} {self._kept(exercise)}", verdict.label) if sentence else verdict

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
        if isinstance(unclear, Unreadable):
            return Verdict(Outcome.NOT_YET, f"For {case} your function returned what can't be used here. {unclear}{hint}", "unreadable")
        return Verdict(
            Outcome.NOT_YET,
            f"For {case} your function should return {self.result.takes}; it returned {str(unclear).rstrip('.')}.{hint}",
            "unreadable",
        )

    def _failing_alike(self, exercise, ran, cases):
        """The Verdict of the wrong way that stops with the same exception in the same case, or None."""
        if ran.stopped != "error":
            return None
        case = cases[len(ran.returned)]
        alike = [way for way in exercise.wrong_ways if running.run_all([_call(way, case)], self.seconds).raised == ran.raised]
        if not alike:
            return None
        way = next((way for way in alike if self._agrees(way, ran.returned, cases)), alike[0])
        message = f"For {self._as_written(case)} your function stopped with `{ran.raised[0]}`. {exercise.wrong_ways[way]}"
        return Verdict(Outcome.NOT_YET, message, way.__name__)

    def _agrees(self, way, returned, cases):
        """Whether a wrong way returns the same as the learner's function did, case by case, before that one stopped."""
        said = running.run_all([_call(way, case) for case in cases[:len(returned)]], self.seconds).returned
        try:
            return len(said) == len(returned) and not any(
                self.result.difference(self.result.read(one), self.result.read(other)) for one, other in zip(returned, said, strict=True))
        except Unclear:
            return False

    def _stopped(self, ran, cases):
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
            f"For {case} your function did not finish within {self.seconds:.0f} seconds, so it was stopped. {self.endless}{left}",
            "time",
        )

    def _as_written(self, case):
        most = max(50, 260 // max(len(case), 1))        # two dictionaries of a header's size are shown whole
        return f"`{self.variables[0]}({', '.join(_shortened(value, most, False).replace('`', '') for value in case)})`"

    def _told(self, case, value):
        """The sentence on a case that failed, before the one on what is wrong with it."""
        return f"For {self._as_written(case)} it returned {_shortened(value)}."

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
        if type(value) in (int, float, str, bytes, bool, list, tuple, dict, type(None)):
            text = repr(value).replace("datetime.date(", "date(")
        elif type(value) is datetime.date:
            text = repr(value).removeprefix("datetime.")
        elif type(value) is types.FunctionType and not quoted:
            text = value.__name__                        # a function that a case hands over, as the learner would write it
        elif type(value).__module__.startswith("coursekit.") and type(value).__repr__ is not object.__repr__:
            text = repr(value).split("\n")[0]            # what the course made says best itself what it is
        elif is_a(value, float):
            text = float.__repr__(value)                 # numpy's own number, as Python's
        else:
            text = describe(value)
    except BaseException:  # a list may hold an object of the learner's whose repr raises
        text = describe(value)
    text = text if len(text) <= most else _cut(value, text, most)
    return f"`{text}`" if quoted and "`" not in text else text


def _cut(value, text, most):
    """As many of a list's or dictionary's parts as there is room for, and its bracket closed; other text is cut off."""
    opening, closing = text[0], text[-1]
    if type(value) not in (list, tuple, dict) or not value:
        return text[: most - 1] + "…"
    parts = [f"{key!r}: {one!r}" for key, one in value.items()] if type(value) is dict else [repr(one) for one in value]
    shown, room = [], most - len("…, []")
    for part in parts:
        part = part.replace("datetime.date(", "date(")
        if len(part) + 2 > room:
            break
        room -= len(part) + 2
        shown.append(part)
    return f"{opening}{', '.join([*shown, '…'])}{closing}" if shown else text[: most - 2] + f"…{closing}"


def _is_untouched(value):
    """Whether a function does nothing but `...` or `pass`."""
    if type(value) is not types.FunctionType:
        return False
    does = [step for step in dis.get_instructions(value) if step.opname not in ("RESUME", "NOP", "COPY_FREE_VARS")]
    names = [step.opname for step in does]
    if names == ["RETURN_CONST"] or names == ["LOAD_CONST", "RETURN_VALUE"]:
        return does[0].argval in (None, Ellipsis)
    return False


def _hands_back(value):
    """Whether a `return` of a function, as its author wrote it with `def`, has another value than None."""
    if type(value) is not types.FunctionType or value.__name__ == "<lambda>":
        return False
    steps = [step for step in dis.get_instructions(value) if step.opname not in ("NOP", "CACHE", "EXTENDED_ARG")]
    for before, step in zip([None, *steps], steps):
        if step.opname == "RETURN_CONST" and step.argval is not None:
            return True
        if step.opname == "RETURN_VALUE" and before is not None and not (before.opname == "LOAD_CONST" and before.argval is None):
            return True
    return False


def _unheeded(value):
    """A sentence, with a blank before it, on a function made with `def` that uses none of its parameters; "" of any other."""
    if type(value) is not types.FunctionType or value.__name__ == "<lambda>":
        return ""
    names = value.__code__.co_varnames[:value.__code__.co_argcount]
    used = {name for step in dis.get_instructions(value) if step.opname.startswith(("LOAD", "MAKE_CELL", "STORE_FAST_LOAD"))
            for name in (step.argval if type(step.argval) is tuple else (step.argval,)) if type(name) is str}
    if not names or used & {*names, "locals", "vars", "eval", "exec"}:
        return ""
    listed = " and ".join(filter(None, (", ".join(f"`{name}`" for name in names[:-1]), f"`{names[-1]}`")))
    return (f" Your function uses {'none of ' if len(names) > 1 else 'nothing of '}what it is called with, {listed}. If it takes variables "
            "of the notebook in their place, those are the same in every case.")
