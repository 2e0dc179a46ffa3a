"""Choice: one of several options, with what proves it."""

import re

from coursekit.checking.kinds.base import Difference, Kind
from coursekit.checking.reading import Unclear, describe, plain, short, single


SHORTEST_PART = 10  # characters: a single word may stand in an option by chance


def _as_shown(text):
    """A text as the notebook shows it, where the backticks and asterisks of Markdown can't be seen; in small letters."""
    return " ".join(re.sub(r"[`*]", "", text).split()).casefold().rstrip(".")


def _words_of(part, text):
    """Whether a part stands in a text, and ends nowhere inside a word."""
    return re.search(rf"(?<!\w){re.escape(part)}(?!\w)", text) is not None


class Choice(Kind):
    """One of several options, and the evidence for it, so that guessing doesn't help.

    variables : the learner's two variables, "fault, evidence"
    options   : dict from letter to text
    evidence  : the kind of the evidence: Text, Number or Set

    The solution returns (letter, evidence). A wrong way returns the same, or None as evidence; its evidence only counts
    when its letter is the right one. Forgives case, "b)", the option's whole text, a part or some words of it behind the letter ("B: RLE"),
    and a part that no other option has ("RLE Lossless").
    """

    takes = "the letter of an option"

    def __init__(self, variables, options, evidence):
        super().__init__(variables)
        self.options = {letter.upper(): text for letter, text in options.items()}
        self.evidence = evidence

    def read(self, choice, evidence):
        """(letter, evidence as its kind reads it); unreadable evidence is kept as the Unclear that it raised."""
        value = single(plain(choice))
        if type(value) is not str:
            raise Unclear(describe(choice))
        written = _as_shown(value)
        letter = written.strip(" .):(\"'").upper()
        options = {option: _as_shown(text) for option, text in self.options.items()}
        holding = [option for option, text in options.items() if len(written) >= SHORTEST_PART and _words_of(written, text)]
        for option, text in options.items():
            whole = rf"\(?{option.casefold()}[).:, ]+{re.escape(text)}"
            part = re.fullmatch(rf"\(?{option.casefold()}[).:,]+ ?(.+)", written)
            if written == text or holding == [option] or re.fullmatch(whole, written) or part and (
                    _words_of(part[1], text) or set(re.findall(r"\w+", part[1])) <= set(re.findall(r"\w+", text))):
                letter = option
        if letter not in self.options:
            raise Unclear(f"{short(value)}, which is none of {', '.join(self.options)}")
        try:
            return letter, self.evidence.read(evidence)
        except Unclear as unclear:
            return letter, unclear

    def difference(self, answer, other):
        """None when the letter and the evidence agree."""
        letter, evidence = answer
        if letter != other[0]:
            return Difference("That is not what the data show. Look for what speaks against it.", "choice")
        if isinstance(other[1], Unclear):  # a wrong way that gives no evidence stands for any
            return None
        if isinstance(evidence, Unclear):
            return Difference(f"About your evidence: {evidence.sentence(self.evidence.takes)}", "evidence")
        difference = self.evidence.difference(evidence, other[1])
        return difference and Difference(
            f"Your choice may stand, but your evidence is not right yet. {difference.message}", "evidence"
        )

    def judge(self, exercise, given, editions):
        """As for every kind, but a wrong letter is diagnosed by the letter alone."""
        verdict = super().judge(exercise, given, editions)
        if verdict.correct or verdict.label not in ("choice", "evidence"):
            return verdict
        try:
            letter = self.read(*given)[0]
        except Unclear:
            return verdict
        right = self._computed(exercise, exercise.solution, editions)[0]
        for way, feedback in exercise.wrong_ways.items():
            wrong = self._computed(exercise, way, editions)[0]
            if wrong == letter != right:
                return type(verdict)(verdict.outcome, feedback, way.__name__)
        return verdict
