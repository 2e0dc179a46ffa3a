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


def test_the_fields_that_are_cut_out_can_be_counted_in_the_picture():
    line = "2025-03-08T06:39:37+01:00 hv_mwl[412] C-FIND PETCT1 matches=2 status=0000"

    def run(typed):
        return SimpleNamespace(lines=["PETCT1" if "cut" in typed else line])

    picture = stations(run, ["grep C-FIND x", "cut -d ' ' -f 4"])
    assert any(text.get_text().startswith("2025-") and " PETCT1 " in text.get_text() for text in picture.figure.axes[0].texts)
    assert "EnvironmentFile=" in signposts().says
