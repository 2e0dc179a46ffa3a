"""The passport tells what was done, unaided or not, and is a page by itself."""

import re
from types import SimpleNamespace

from coursekit import cli
from coursekit.learner import passport, record
from coursekit.learner.record import Standing

LESSONS = [
    SimpleNamespace(id="start", title="Start here", covers=[], exercises=[SimpleNamespace(name="One", points=1)]),
    SimpleNamespace(id="cpas-06", title="Statistics <SQL>", covers=["query a PACS database"], exercises=[
        SimpleNamespace(name="First", points=2), SimpleNamespace(name="Second", points=3)]),
]


def test_what_was_done_stands_there_and_nothing_else():
    first = Standing(attempts=1, correct=True, points=2, unaided=True, when="2026-11-20T10:00:00+00:00")
    second = Standing(attempts=4, hints=2, correct=True, points=3, when="2026-11-24T10:00:00+00:00")
    page = passport.page(LESSONS, {"cpas-06": {"First": first, "Second": second}}, "Mo & Co")
    assert "PACS associate" in page and "Query a PACS database" in page and "Mo &amp; Co" in page
    assert "Statistics &lt;SQL&gt; <span class=\"done\">complete</span>" in page
    assert "<td>2 of 2</td><td>1</td><td>5 of 5</td><td>2026-11-24</td>" in page
    assert "Start here" not in page
    half = passport.page(LESSONS, {"cpas-06": {"First": first}})
    assert "complete</span>" not in half and "<td>1 of 2</td>" in half and "Name: ____" in half
    assert "No exercise has been solved yet" in passport.page(LESSONS, {})


def test_the_page_needs_nothing_from_elsewhere():
    page = passport.page(LESSONS, {})
    assert not re.search(r"https?:|<script|<link|<img", page) and 'lang="en"' in page


def test_unaided_is_what_was_solved_before_any_help():
    def event(exercise, kind, **more):
        return {"lesson": "cpas-06", "exercise": exercise, "event": kind, "at": "2026-11-24T10:00:00+00:00", **more}

    standing = record.summary([
        event("A", "check", outcome="not yet"), event("A", "check", outcome="correct", points=2), event("A", "hint", number=1),
        event("A", "solution"),
        event("B", "hint", number=1), event("B", "check", outcome="correct", points=2),
        event("C", "solution"), event("C", "check", outcome="correct", points=0),
    ])["cpas-06"]
    assert [standing[name].unaided for name in "ABC"] == [True, False, False]
    assert standing["A"].when == "2026-11-24T10:00:00+00:00"


def test_the_command_writes_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSEKIT_HOME", str(tmp_path / "home"))
    record.append({"lesson": "start", "exercise": "none", "event": "opened"})
    file = tmp_path / "passport.html"
    assert not cli.main(["progress", "--passport", str(file), "--name", "Ada"])
    assert "Ada" in file.read_text(encoding="utf-8") and "Written" in capsys.readouterr().out
    assert cli.main(["progress", "--passport", str(tmp_path / "no" / "such" / "folder.html")]) == 1
    assert "could not be written" in capsys.readouterr().err
