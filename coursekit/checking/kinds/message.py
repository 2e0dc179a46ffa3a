"""Message: a message of a protocol, read into its parts and compared part by part."""

from coursekit.checking.kinds.base import Kind
from coursekit.checking.kinds.file import first_wrong_part
from coursekit.checking.reading import Unclear, Unreadable, describe, is_a


class Message(Kind):
    """A message, as text, as bytes, or as the object that a library made of it.

    variables : the learner's variable
    reading   : a function that gets what the learner gave (text and bytes as Python's own) and returns {the name of each part: its value};
                ValueError with a sentence when it can't. `coursekit.standards.hl7.parts` does it for HL7 version 2
    objects   : classes whose objects are taken as well as text and bytes
    free      : dict from the name of a part to a function(value, all parts) that returns None if the value will do, or a sentence; the part
                must be there, but need not be as in the solution
    ignore    : names, or beginnings of names, of parts that don't matter, whether they are there or not

    A difference names the part, never the value.
    """

    takes = "a message"

    def __init__(self, variables, reading, objects=(), free=None, ignore=()):
        super().__init__(variables)
        self.reading, self.objects, self.free, self.ignore = reading, tuple(objects), free or {}, tuple(ignore)

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
        return {part: value for part, value in parts.items() if not part.startswith(self.ignore)}

    def difference(self, answer, other):
        """None when both say the same in all parts."""
        found = first_wrong_part(answer, other, self.free)
        return None if found is None else found[1]
