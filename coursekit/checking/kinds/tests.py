"""Tests: the learner's own tests, judged by good and by faulty systems."""

import random
import re
from typing import NamedTuple

from coursekit.checking import running
from coursekit.checking.kinds.client import Client
from coursekit.checking.kinds.function import _call, _shortened
from coursekit.checking.reading import Unclear, is_a, plain
from coursekit.checking.verdict import Outcome, Verdict


class Fault(NamedTuple):
    """What is wrong with a faulty system.

    says   : what a user would notice: "drops private attributes of what it is sent"
    breaks : names of the requirements, one of which has to be named
    also   : names of requirements that may be named as well
    """

    says: str
    breaks: tuple = ()
    also: tuple = ()


class Tests(Client):
    """A function of the learner's that tests a system.

    variables : the function's name
    named     : True when the function returns the names of the requirements that the system does not meet, an empty list when it meets all;
                else it returns True for a system that is good, False for one that is not. A failed `assert` counts as False, and
                None as True where asserts do the refusing
    least     : how many of the faulty systems have to be refused; all of them if None
    remark    : a function of (arguments of the first system that is judged wrongly, its Fault or None, the names that were given or None
                where it was accepted), which gives a sentence on what the tests did there, or None. It speaks before the wrong ways

    The exercise has `stage(draw)`, a context manager: while it is open the systems run, and it gives a list of (arguments, Fault), or
    (arguments, None) for a good system, of which there should be several that differ in what a system is free to do. A wrong way is a
    function of the Fault: what somebody with that idea would return. `right(fault)` is not needed.

    Refusing a good system is told first, then what was accepted wrongly, by what a user would notice. A wrong way speaks where it explains
    the first of these and everything that it misses was missed.
    """

    __test__ = False                    # pytest takes classes of such a name for its own

    def __init__(self, variables, named=False, least=None, remark=None):
        super().__init__(variables, result=None)
        self.named, self.least, self.remark = named, least, remark

    def judge(self, exercise, given, editions):
        """The verdict on the tests."""
        (function,) = given
        if not callable(function) or is_a(function, str):
            return self._no_function(function)
        with exercise.stage(random.Random(f"{exercise.name} {editions.own.seed}")) as cases:
            arguments, faults = zip(*cases)
            ran = running.Ran([])
            for number, (case, fault) in enumerate(cases):
                editions.tell(number, len(cases), "systems that your tests are tried on")
                one = running.run_all([_tried(function, case, fault, self.named)], self.seconds)
                ran = running.Ran(ran.returned + one.returned, one.stopped, one.error)
                if ran.stopped:
                    break
            editions.tell(len(cases), len(cases), "systems that your tests are tried on")
        if ran.stopped == "error":
            return Verdict(Outcome.NOT_YET, f"Tried on a good system, your tests broke off: {ran.error}.", "error")
        if ran.stopped:
            return self._stopped(ran, arguments)
        if not self.named and None in ran.returned and not any(value is _FAILED for value in ran.returned):
            return self._nothing_returned(ran.returned)
        said = []
        for value in ran.returned:
            try:
                said.append(self._read(value))
            except Unclear as unclear:
                return self._returned("one of the systems", value, unclear)
        wrong = [place for place, fault in enumerate(faults) if not self._fits(said[place], fault)]
        good = [place for place in wrong if faults[place] is None]
        caught = sum(fault is not None for fault in faults) - (len(wrong) - len(good))
        needed = sum(fault is not None for fault in faults) if self.least is None else self.least
        if not good and caught >= needed:
            return Verdict(Outcome.CORRECT, exercise.praise, "correct", exercise.points)
        ideas = {way: [self._read(way(fault)) for fault in faults] for way in exercise.wrong_ways}
        first = (good or wrong)[0]
        told = self._told(said[first], faults[first], caught, faults)
        sentence = self.remark and self.remark(arguments[first], faults[first], said[first])
        if sentence:
            return Verdict(Outcome.NOT_YET, f"{told} {sentence}", "remark")
        like = [way for way, idea in ideas.items() if idea == said] or self._alike(ideas, said, faults, first)
        if like:
            return Verdict(Outcome.NOT_YET, f"{told} {exercise.wrong_ways[like[0]]}", like[0].__name__)
        return Verdict(Outcome.NOT_YET, told, "refused a good system" if good else "missed")

    def _alike(self, ideas, said, faults, first):
        """The wrong ways that say the same of the system that is told first and miss nothing that was found, the widest first."""
        missed = {way: {place for place, fault in enumerate(faults) if fault is not None and not self._fits(idea[place], fault)}
                  for way, idea in ideas.items()}
        own = {place for place, fault in enumerate(faults) if fault is not None and not self._fits(said[place], fault)}
        like = [way for way, idea in ideas.items() if idea[first] == said[first] and not self._fits(idea[first], faults[first])
                and (faults[first] is None or missed[way] <= own)]
        return sorted(like, key=lambda way: -len(missed[way]))

    def _read(self, value):
        """None for "good", else what is not met: a frozenset of names, empty where none are named."""
        if value is _FAILED:
            return frozenset()
        if type(value) is _Stranded:
            return value
        value = plain(value)
        if not self.named:
            if value is None or type(value) is bool:
                return frozenset() if value is False else None      # a function of `assert`s returns nothing
            raise Unclear(_shortened(value))
        if type(value) is dict and value and all(type(met) is bool for met in value.values()):
            value = [name for name, met in value.items() if not met]
        if type(value) is str:
            value = value.replace(";", ",").split(",")
        if type(value) not in (list, set) or not all(type(one) is str for one in value):
            raise Unclear(_shortened(value))
        return frozenset(one.strip().upper() for one in value if one.strip()) or None

    def _nothing_returned(self, returned):
        """The verdict on a function that returns None and has no `assert` that fails: a `return` is missing, always or somewhere."""
        if all(value is None or type(value) is _Stranded for value in returned):
            return Verdict(Outcome.NOT_YET, "Your function returned nothing (`None`) whatever the system. Is a `return` missing? (Or, if "
                           "it is made of `assert`s: none of them ever failed.)", "nothing returned")
        return Verdict(Outcome.NOT_YET, "For some of the systems your function returned nothing (`None`), where True or False is asked. Is "
                       "there a way to its end without a `return`?", "nothing returned")

    def _returned(self, case, value, unclear):
        wanted = "a list with the names of the requirements that are not met" if self.named else "True or False"
        hint = " Is a `return` missing?" if value is None else ""
        return Verdict(Outcome.NOT_YET, f"For {case} your function should return {wanted}; it returned {unclear}.{hint}", "unreadable")

    def _as_written(self, case):
        return "one of the systems"

    def _fits(self, said, fault):
        """Whether what the tests said of a system is right."""
        if fault is None or said is None:
            return fault is None and said is None
        if not self.named:
            return True
        return type(said) is frozenset and bool(said & set(fault.breaks)) and said <= {*fault.breaks, *fault.also}

    def _told(self, said, fault, caught, faults):
        named = f", naming {', '.join(sorted(said))}" if said and type(said) is frozenset else ""
        if fault is None:
            return f"Your tests refuse a system that meets every requirement{named}."
        score = f"Your tests find {caught} of {sum(one is not None for one in faults)} faulty systems."
        if said is None:
            return f"{score} They accept one that {fault.says}."
        if type(said) is _Stranded:
            return f"{score} With one that {fault.says}, your tests stopped with {said.error}, and named nothing."
        besides = sorted(said - {*fault.breaks, *fault.also})
        if said & set(fault.breaks):
            are, those, test = ("is", "that", "that test") if len(besides) == 1 else ("are", "those", "one of those tests")
            return (f"{score} One that {fault.says} is refused, as it should be; but {_and(besides)} {are} named as well, and {those} it "
                    f"meets. Does {test} hang on what is broken there?")
        if said and not besides:
            return f"{score} One that {fault.says} is refused{named}; but what forbids just that is not named."
        return f"{score} One that {fault.says} is refused for another reason{named}."


def _and(names):
    """Names in a sentence."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


_FAILED = object()                      # what came of a test whose `assert` failed


class _Stranded(NamedTuple):
    """What came of tests that a faulty system brought to a stop: the error in words."""

    error: str


def _tried(function, case, fault, named):
    """A call of the learner's tests. An `assert` that fails refuses the system; so does a client that a faulty system leaves stranded."""
    call = _call(function, case)

    def tried():
        try:
            return call()
        except Exception as problem:
            if isinstance(problem, AssertionError):
                return re.findall(r"[\w.-]+", str(problem))[:1] if named else _FAILED
            if fault is None:
                raise
            kind, text = running.type_and_text(problem)
            return _Stranded(f"`{kind}`" + (f" ({text[:120].rstrip('.')})" if text else ""))

    return tried
