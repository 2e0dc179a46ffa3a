"""The hex dump as text, and the hex map: what it says, and that it is drawn."""

import shutil
import subprocess

import pytest

from coursekit.figures.hexmap import hexdump, hexmap

DATA = bytes(range(40)) + b"DICM"


def test_a_dump_has_offset_bytes_and_text():
    assert repr(hexdump(b"HVP1\x00\x02+h")) == "00000000: 48 56 50 31 00 02 2b 68                           HVP1..+h"
    rows = repr(hexdump(DATA, 32, 12)).splitlines()
    assert rows == ["00000020: 20 21 22 23 24 25 26 27  44 49 43 4d               !\"#$%&'DICM"]
    assert repr(hexdump(DATA, 100)) == repr(hexdump(b"")) == "(no bytes there)"
    assert len(repr(hexdump(DATA)).splitlines()) == 3


@pytest.mark.skipif(shutil.which("xxd") is None, reason="xxd is not installed")
def test_a_dump_says_the_same_as_xxd(tmp_path):
    file = tmp_path / "data"
    file.write_bytes(DATA)
    said = subprocess.run(["xxd", "-g", "1", str(file)], capture_output=True, text=True).stdout
    assert repr(hexdump(DATA)).split() == said.split()


def test_a_map_names_its_fields_in_words_and_is_a_png():
    picture = hexmap(DATA, [(0, 4, "counter"), (40, 4, "prefix")], title="a file")
    assert picture.png.startswith(b"\x89PNG")
    assert "1, offset 0x0-0x3 (0-3), counter: 00 01 02 03" in repr(picture)
    assert "2, offset 0x28-0x2b (40-43), prefix: 44 49 43 4d" in repr(picture)
    assert repr(picture) == repr(hexmap(DATA, [(0, 4, "counter"), (40, 4, "prefix")], title="a file"))


def test_a_map_of_a_part_counts_from_where_the_part_begins():
    picture = hexmap(DATA[40:], [(40, 4, "prefix")], start=40)
    assert "offset 0x28-0x2b (40-43), prefix: 44 49 43 4d" in repr(picture)


def test_rows_that_repeat_are_left_out():
    tall = hexmap(bytes(range(256)), [(0, 256, "all")]).figure.get_figheight()
    assert hexmap(bytes(256), [(0, 256, "zeros")]).figure.get_figheight() < tall / 2


def test_rows_without_a_field_are_left_out_when_asked():
    fields = [(0, 2, "MZ"), (250, 2, "PE")]
    tall = hexmap(bytes(range(256)), fields).figure.get_figheight()
    folded = hexmap(bytes(range(256)), fields, fold=True)
    assert folded.figure.get_figheight() < tall / 2 and repr(folded) == repr(hexmap(bytes(range(256)), fields))
    said = [text.get_text() for text in folded.figure.axes[0].texts]
    assert said.count("rows without a field are left out") == 1 and "000010" in said and "000020" not in said and "0000e0" in said


@pytest.mark.parametrize("field", [(42, 4, "x"), (-1, 2, "x"), (0, 0, "x")])
def test_a_field_outside_the_data_is_refused(field):
    with pytest.raises(ValueError, match="does not lie in bytes 0 to 43"):
        hexmap(DATA, [field])
