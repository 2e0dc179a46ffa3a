"""Bytes: a file, a message or a part of one, byte by byte."""

from coursekit.checking.kinds.base import Difference, Kind
from coursekit.checking.reading import Unclear, describe, plain


class Bytes(Kind):
    """Bytes that must be right one by one; bytearray and memoryview are as good as bytes."""

    takes = "bytes"

    def read(self, given):
        """The bytes."""
        value = plain(given)
        if type(value) is not bytes:
            raise Unclear(describe(given))
        return value

    def difference(self, answer, other):
        """None when all bytes agree."""
        if answer == other:
            return None
        first = next((at for at, (a, b) in enumerate(zip(answer, other)) if a != b), min(len(answer), len(other)))
        if first == 0 and answer and other:
            return Difference("The very first byte is not right already.", "value")
        if first == len(answer):
            return Difference(f"The bytes are right as far as they go, but they end too early, at offset {first}.", "value")
        if first == len(other):
            return Difference(f"Up to offset {first} the bytes are right; what follows there does not belong.", "value")
        return Difference(f"Up to offset {first} the bytes are right; look at what stands there.", "value")
