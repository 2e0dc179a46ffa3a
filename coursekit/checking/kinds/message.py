"""Message: a message of a protocol, read into its parts and compared part by part."""

from coursekit.checking.kinds.base import Difference, Kind
from coursekit.checking.kinds.file import first_wrong_part
from coursekit.checking.reading import Unclear, Unreadable, describe, is_a
from coursekit.checking.verdict import Outcome, Verdict


class Message(Kind):
    """A message, as text, as bytes, or as the object that a library made of it.

    variables : the learner's variable
    reading   : a function that gets what the learner gave (text and bytes as Python's own) and returns {the name of each part: its value};
                ValueError with a sentence when it can't. `coursekit.standards.hl7.parts` does it for HL7 version 2
    objects   : classes whose objects are taken as well as text and bytes
    free      : dict from the name of a part to a function(value, all parts) that returns None if the value will do, or a sentence; the part
                must be there, but need not be as in the solution
    ignore    : names, or beginnings of names, of parts that don't matter, whether they are there or not
    remark    : a function of (part, what was given there or None, what is right or None, input), which gives a sentence on the first
                wrong part, or None; `input` gives an input of the lesson by its name. With a remark, several mistakes are told apart: the
                wrong way whose own parts are all in the answer speaks, else the remark
    first     : names of parts on which what comes behind them depends, such as the place of an error, whose code says what is wrong there:
                while one of them is there and wrong, a mistake further behind is not told. For a kind with a remark

    A difference names the part, never the value.
    """

    takes = "a message"

    def __init__(self, variables, reading, objects=(), free=None, ignore=(), remark=None, first=()):
        super().__init__(variables)
        self.reading, self.objects, self.free, self.ignore = reading, tuple(objects), free or {}, tuple(ignore)
        self.remark, self.first = remark, tuple(first)

    def read(self, given):
        """{part: value}."""
        if is_a(given, str):
            given = str.__str__(given)
        elif is_a(given, (bytes, bytearray, memoryview)):
            given = bytes(memoryview(given))
        elif not is_a(given, self.objects):
            raise Unclear(describe(given))
        if type(given) in (str, bytes) and not given.strip():
            raise Unclear("an empty text")
        try:
            parts = self.reading(given)
        except ValueError as problem:
            sentence = str(problem).rstrip(".")
            raise Unreadable(f"{sentence[:1].upper()}{sentence[1:]}.") from None
        except Exception:
            if type(given) in (str, bytes):
                raise
            # an object whose inside is not what its class makes of it
            raise Unclear(f"{describe(given)} that can't be read") from None
        return {part: value for part, value in parts.items() if not part.startswith(self.ignore)}

    def difference(self, answer, other):
        """None when both say the same in all parts."""
        found = first_wrong_part(answer, other, self.free)
        return None if found is None else found[1]

    def judge(self, exercise, given, editions):
        """As for every kind; with a `remark`, each mistake is diagnosed by itself."""
        verdict = super().judge(exercise, given, editions)
        if self.remark is None or verdict.label not in ("missing part", "extra part", "value"):
            return verdict
        answer, right = self.read(*given), self._computed(exercise, exercise.solution, editions)
        order = list(right)
        lead = next((part for part in self.first if part in answer and answer[part] != right.get(part)), None)
        behind = order[order.index(lead) + 1:] if lead in order else []
        for way, feedback in exercise.wrong_ways.items():
            wrong = self._computed(exercise, way, editions)
            own = [part for part in {**right, **wrong} if part not in self.free and wrong.get(part) != right.get(part)]
            if lead and all(part in behind or part not in order for part in own):
                continue
            if own and all(wrong.get(part) == answer.get(part) for part in own):
                return Verdict(Outcome.NOT_YET, feedback, way.__name__)
        if lead:
            part, difference = lead, Difference(f"{lead} is not right.", "value")
        else:
            part, difference = first_wrong_part(answer, right, self.free)
        sentence = self.remark(part, answer.get(part), right.get(part), lambda name: exercise.lesson.input_of(name, editions.own))
        return Verdict(Outcome.NOT_YET, f"{difference.message} {sentence}" if sentence else difference.message, difference.label)
