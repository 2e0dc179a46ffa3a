"""Config: settings of a system, judged by what happens when the system works by them."""

import json
import sys

from coursekit.checking import running
from coursekit.checking.kinds.base import Kind
from coursekit.checking.reading import Unclear, Unreadable, describe, is_a, is_library, plain
from coursekit.checking.verdict import Outcome, Verdict

SECONDS = 10.0                          # for a trial, which the course itself carries out, on a busy machine too


class Config(Kind):
    """Settings: a workstation's set-up, hanging protocols, rules of a router.

    variables : the learner's variable
    reading   : a function that turns the settings (plain data: dict, list, text, numbers) into the form that the exercise's
                `trial` takes, raising ValueError with a sentence when a setting can't be understood
    called    : what the settings are called in what the learner is told: "rules"; "a policy" is spoken of as one thing
    template  : what stands in the untouched notebook, Python text in which `...` marks what is open; else `name = ...`
    shape     : what they are given as, in words
    unseen    : what stands before a fault that shows on an unseen hospital only

    The exercise has two functions more. `trial(settings, hospital)` lets a system work by the settings on a hospital's days
    and returns what came of it, plain data. `faults(outcome)` gives a list of sentences: what is not good enough yet, the
    most important first, without giving the settings away; none means that the settings are right. Many settings may be: they
    are judged on the learner's hospital and on unseen ones, and a wrong way is recognised by its outcome.
    """

    def __init__(self, variables, reading, template=None, called="settings", shape="a dictionary or a list",
                 unseen="Good for the hospital that you see, but not for another that works in the same way. There: "):
        super().__init__(variables)
        self.reading = reading
        self.called = called.removeprefix("a ")
        self.one = called != self.called
        self.takes = f"{called}, as {shape}"
        self.template = template
        self.unseen = unseen

    def not_answered(self, given):
        """`...` as a whole, or wherever the template has it."""
        value = given[0]
        if type(value) not in (dict, list):
            return value is Ellipsis
        return _somewhere_open(value) and not _somewhere_filled(value)

    def read(self, given):
        """The settings in the form that `trial` takes. JSON text is as good as a dictionary, and so is a Series with their names."""
        try:
            value = plain(given)
            if is_library(given, "pandas", "Series"):
                names = plain(sys.modules["pandas"].Series(given).index)
                value = dict(zip(names, value, strict=True)) if all(type(name) is str for name in names) else value
        except Unclear as unclear:
            if type(given) in (dict, list):
                raise Unreadable(f"The {self.called} hold{'s' * self.one} {unclear}, where text, a number or a list is expected.") from None
            raise
        if _somewhere_open(value):
            open_ones = f"Parts of the {self.called}" if self.one else f"Some {self.called}"
            raise Unreadable(f"{open_ones} are still open: put your answer in place of each `...`.")
        if is_a(given, str):
            try:
                value = json.loads(value)
            except ValueError:
                raise Unclear(describe(given)) from None
        if type(value) not in (dict, list):
            raise Unclear(describe(given))
        try:
            return self.reading(value)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as problem:
            sentence = str(problem) if is_a(problem, ValueError) else "they do not have the form that the question describes"
            raise Unreadable(f"The {self.called} can't be used as {'it is' if self.one else 'they are'}: {sentence.rstrip('.')}.") from None

    def judge(self, exercise, given, editions):
        """The verdict on the settings, on the learner's hospital first and then on the unseen ones."""
        try:
            settings = self.read(*given)
        except Unclear as unclear:
            return Verdict(Outcome.NOT_YET, unclear.sentence(self.takes), "unreadable")
        these = f"With {'this' if self.one else 'these'} {self.called}"
        for number, hospital in enumerate(editions.all()):
            ran = running.run_all([lambda: exercise.trial(settings, hospital)], SECONDS)
            if ran.stopped == "error":
                return Verdict(Outcome.NOT_YET, f"{these} the system did not work: {ran.error}.", "error")
            if ran.stopped:
                return Verdict(
                    Outcome.NOT_YET, f"{these} the system did not come to an end within {SECONDS:.0f} seconds.", "time")
            faults = exercise.faults(ran.returned[0])
            if not faults:
                continue
            for way, feedback in exercise.wrong_ways.items():
                if ran.returned[0] == self._outcome(exercise, way, hospital):
                    return Verdict(Outcome.NOT_YET, feedback, way.__name__)
            where = self.unseen if number else ""
            return Verdict(Outcome.NOT_YET, where + faults[0], "only here" if number else "fault")
        return Verdict(Outcome.CORRECT, exercise.praise, "correct", exercise.points)

    def _outcome(self, exercise, function, hospital):
        """What comes of a wrong way's settings, remembered per hospital."""
        return exercise.remembered(
            (self, function), hospital,
            lambda: exercise.trial(self.read(exercise.computed(function, hospital)), hospital))

    def stub(self):
        """The template, or a single open place."""
        return self.template or super().stub()


def _somewhere_open(value):
    return any(one is Ellipsis for one in _leaves(value, 0))


def _somewhere_filled(value):
    return any(one is not Ellipsis for one in _leaves(value, 0))


def _leaves(value, depth):
    """The values inside dictionaries and lists, at most twenty deep."""
    if type(value) not in (dict, list) or depth > 20:
        return [value]
    inside = value.values() if type(value) is dict else value
    return [leaf for one in inside for leaf in _leaves(one, depth + 1)]
