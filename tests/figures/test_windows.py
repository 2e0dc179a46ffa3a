"""Pictures of Windows."""

from coursekit.figures.windows import block_reading, sessions


def test_sessions_say_who_has_the_drive():
    picture = sessions("WS", [("Session 0", ["a service"], None), ("Session 1", ["a person"], "H:")], "server", r"\\server\share",
                       "in")
    assert r"Session 0: a service; no drive leads to the server, H:\in is not found" in picture.says
    assert r"Session 1: a person; drive H: leads to \\server\share, H:\in to the folder in in it" in picture.says
    assert picture.png.startswith(b"\x89PNG")


def test_a_block_says_what_was_put_in():
    picture = block_reading(["for %%f in (x) do (", "if %E% NEQ 0"], ["for %f in (x) do (", "if 0 NEQ 0"],
                            [("a", 1, "no line")], "Example.")
    assert "if %E% NEQ 0 becomes if 0 NEQ 0. Then" in picture.says and "for" not in picture.says.split("becomes")[0]
    assert "a, exit code 1: no line" in picture.says
    assert picture.png.startswith(b"\x89PNG")
