"""The pictures of lesson cpas-11: drawn, and told in words."""

from coursekit.figures.workstation import both_ways, mask_bits, rungs


def test_mask_bits():
    picture = mask_bits("10.20.40.13", [("right", 26), ("wrong", 16)])
    assert "00001010 00010100 00101000 00001101" in picture.says
    assert "255.255.255.192 or /26" in picture.says and "10.20.40.0 to 10.20.40.63, 64 addresses" in picture.says
    assert "10.20.0.0 to 10.20.255.255, 65,536 addresses" in picture.says
    assert picture.png.startswith(b"\x89PNG")


def test_rungs_are_told_from_the_bottom():
    picture = rungs([("cable", "the plug,\nthe port", "a lamp"), ("way", "a mask", "ping")], title="Ladder")
    assert picture.says.index("1 cable: the plug, the port; seen by a lamp") < picture.says.index("2 way: a mask; seen by ping")
    assert picture.png.startswith(b"\x89PNG")


def test_both_ways():
    picture = both_ways(("WS", "10.0.0.1", 104), ("PACS", "10.0.0.2", 11112), title="T")
    said = picture.says
    order = ("association to port 11112", "AE table", "a second association, to port 104: PACS calls WS", "C-STORE")
    assert [said.index(one) for one in order] == sorted(said.index(one) for one in order)
    assert "if it is not there, the answer is A801H and nothing more happens" in said
    assert picture.png.startswith(b"\x89PNG")
