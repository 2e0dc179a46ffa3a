"""Client: the learner's function, called against servers that run."""

import random

from coursekit.checking import running
from coursekit.checking.kinds.function import Function, _call, _shortened
from coursekit.checking.reading import Unclear, is_a
from coursekit.checking.verdict import Outcome, Verdict

MOST_SHOWN = 300                        # characters of what a client returned


class Client(Function):
    """A function of the learner's that talks to servers on this machine's loopback.

    variables : the function's name
    result    : the kind that what it returns is compared as
    noticed   : a function of a state, asked when the servers have ended, that says in a sentence what they saw the client do and must not
                have seen, whatever it returned; or None
    called    : what one of them is, in what the learner is told: "server", "case"
    about     : a function of a state that says in a sentence what was met in the case that failed, or None
    whole     : True when a wrong way may speak only where all of its mistakes were made; otherwise one that agrees in the first case
                that failed will do, if there is none other

    The exercise has `stage(draw)`, a context manager: while it is open the servers run, and it gives a list of
    (arguments, state), where state says in plain data how that server behaves. `right(state)` is what a right client
    returns, and a wrong way is a function of the state too: what somebody with that idea would conclude. The solution
    is a real client, which the tests run against the stage.
    """

    takes = "a function"
    seconds = 20.0                      # for all calls together
    endless = "Is there a loop that never ends, or does it ask far more often than it has to?"

    def __init__(self, variables, result, noticed=None, called="server", about=None, whole=False):
        super().__init__(variables, result, about)
        self.noticed, self.called, self.whole = noticed, called, whole

    def judge(self, exercise, given, editions):
        """The verdict on the client."""
        (function,) = given
        if not callable(function) or is_a(function, str):
            return self._no_function(function)
        with exercise.stage(random.Random(f"{exercise.name} {editions.own.seed}")) as cases:
            arguments, states = zip(*cases)
            ran = running.run_all([_call(function, case) for case in arguments], self.seconds)
        if ran.stopped:
            verdict = self._stopped(ran, arguments)
            return Verdict(verdict.outcome, f"At {self.called} {len(ran.returned) + 1} of {len(cases)}: {verdict.message}", verdict.label)
        for state in states if self.noticed else ():
            sentence = self.noticed(state)
            if sentence:
                return Verdict(Outcome.NOT_YET, sentence, "noticed")
        results = []
        for place, value in enumerate(ran.returned):
            try:
                results.append(self.result.read(value))
            except Unclear as unclear:
                told = self._returned(f"{self.called} {place + 1} of {len(cases)}", value, unclear)
                met = f" {self.about(states[place])}" if self.about else ""
                return Verdict(told.outcome, told.message + met, told.label)
        right = [self.result.read(exercise.right(state)) for state in states]
        differences = [self.result.difference(a, b) for a, b in zip(results, right, strict=True)]
        if not any(differences):
            return Verdict(Outcome.CORRECT, exercise.praise, "correct", exercise.points)
        wrong = [place for place, difference in enumerate(differences) if difference]
        for way, feedback in exercise.wrong_ways.items():
            said = [self.result.read(way(state)) for state in states]
            if all(self.result.difference(a, b) is None for a, b in zip(results, said, strict=True)):
                return Verdict(Outcome.NOT_YET, feedback, way.__name__)
        fits = f"It is right for none of the {self.called}s" if len(wrong) == len(cases) else (
            f"It is right for {len(cases) - len(wrong)} of {len(cases)} {self.called}s")
        part = self._part(exercise, states, results, right, wrong[0])
        if part is not None:
            return Verdict(Outcome.NOT_YET, f"{fits}. Look at this first. {exercise.wrong_ways[part]}", part.__name__)
        met = f" {self.about(states[wrong[0]])}" if self.about else ""
        return Verdict(
            Outcome.NOT_YET, f"{fits}. For {self.called} {wrong[0] + 1} it returned {_shortened(ran.returned[wrong[0]], MOST_SHOWN)}.{met} "
            f"{differences[wrong[0]].message}", "value")

    def _part(self, exercise, states, results, right, first):
        """The wrong way that explains the first wrong case: rather one all of whose mistakes are there than one that agrees in that case
        alone; None when there is none."""
        alone = None
        for way in exercise.wrong_ways:
            said = [self.result.read(way(state)) for state in states]
            same = [self.result.difference(a, b) is None for a, b in zip(results, said, strict=True)]
            mistakes = [place for place, (a, b) in enumerate(zip(said, right, strict=True)) if self.result.difference(a, b) is not None]
            if same[first] and all(same[place] for place in mistakes):
                return way
            if same[first] and alone is None and not self.whole:
                alone = way
        return alone
