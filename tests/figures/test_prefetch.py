"""The pictures of lesson cpas-09: drawn, and told in words."""

from coursekit.figures.prefetch import curve, gantt, way
from coursekit.hospital.router import Exam, Move, Prior, Series


def test_way():
    said = way().says
    order = ("HV_ROUTER of an order", "C-FIND", "C-MOVE to send", "C-STORE", "pending")
    assert [said.index(one) for one in order] == sorted(said.index(one) for one in order)
    assert way().png.startswith(b"\x89PNG")


def test_gantt_tells_what_is_late():
    series = (Series("CT", "Chest 3.0", 90, 50_000_000, True),)
    prior = Prior("2.999.1", "CT CHEST", "CHEST", ("CT",), 400.0, series, True)
    early, late = (Exam(name, "CT of the chest", "CT", "CT CHEST", 0, begins, 0, (prior,))
                   for name, begins in (("A1", 30000), ("A2", 29000)))
    moves = [Move(early, prior, series, 28800, 28800, 28892), Move(late, prior, series, 28900, 28950, 29042)]
    picture = gantt(moves, "08:00", "09:00", title="T")
    assert picture.says.startswith("T. 2 moves between 08:00 and 09:00.") and picture.says.count(" s late") == 1
    assert "CT CHEST, 1.1 y (nearline), for A2 CT CHEST:" in picture.says and "42 s late" in picture.says
    assert "asked 08:01:40, ran 08:02:30 to 08:04:02" in picture.says
    assert picture.png.startswith(b"\x89PNG")
    assert gantt([], "08:00", "09:00", title="T").says == "T. 0 moves between 08:00 and 09:00."
    evening = Move(early, prior, series, 75600 - 86400, 75600 - 86400, 75692 - 86400)
    picture = gantt([evening, *moves], "20:45", "21:15", title="T", day_before=True)
    assert picture.says.startswith("T. 1 moves between 20:45 and 21:15 of the day before. CT CHEST, 1.1 y (nearline), for A1")
    assert "asked 21:00:00, ran 21:00:00 to 21:01:32, exam 08:20" in picture.says


def test_curve():
    picture = curve([("old", {"hit": 67.0, "waste": 83.1}), ("new", {"hit": 98.0, "waste": 10.6})], hit=93, waste=30, title="T")
    assert "old: hit 67.0 %, waste 83.1 %; new: hit 98.0 %, waste 10.6 %" in picture.says
    assert picture.png.startswith(b"\x89PNG")
