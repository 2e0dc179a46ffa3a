"""The pictures of the command line: what they say, and that they are drawn."""

from types import SimpleNamespace

from coursekit.figures.unix import permissions, signposts, stations


def test_permissions_are_told_class_by_class():
    picture = permissions("-rw-r----- 1 hvmwl imaging 421 Jan 14 13:37 allowed-aets.ini")
    assert picture.png.startswith(b"\x89PNG")
    assert "the owner hvmwl: read and write; the group imaging: read; all others: nothing" in picture.says
    assert permissions("-rw-r--r-- 1 root root 4 Jan 14 13:37 x").png.startswith(b"\x89PNG")


def test_the_signposts_name_each_station():
    picture = signposts()
    assert picture.png.startswith(b"\x89PNG")
    assert all(name in picture.says for name in ("process", "unit", "override", "environment", "link", "file"))


def test_stations_show_what_leaves_each_command():
    lines = {"cat x": ["b", "a", "b"], "cat x | sort": ["a", "b", "b"], "cat x | sort | uniq -c": ["      1 a", "      2 b"]}
    picture = stations(lambda line: SimpleNamespace(lines=lines[line]), ["cat x", "sort", "uniq -c"])
    assert picture.png.startswith(b"\x89PNG")
    assert "cat x lets 3 lines out, the first: b; sort lets 3 lines out, the first: a; uniq -c lets 2 lines out" in picture.says


def test_a_pipeline_that_prints_nothing_can_be_drawn():
    assert stations(lambda line: SimpleNamespace(lines=[]), ["grep x", "wc"]).png.startswith(b"\x89PNG")
