"""Bytes: what is said of the first one that is not right."""

import pytest

from coursekit.checking import Bytes


@pytest.mark.parametrize(("given", "says"), [
    (b"DICM\2", "look at what stands there"), (b"DIC", "end too early, at offset 3"), (b"DICM\0\1", "does not belong"),
    (b"xICM\0", "The very first byte"), (b"", "end too early, at offset 0"),
])
def test_where_it_goes_wrong_is_told(ask, given, says):
    check = ask(Bytes("x"), lambda: b"DICM\0")
    assert says in check(given).message and check(bytearray(b"DICM\0")).correct
