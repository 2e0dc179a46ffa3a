import errno
import json
import os
import random
import threading
import time

import pytest
from learner.helpers import finish, start_python

from coursekit.learner import record
from coursekit.learner.files import locked
from coursekit.learner.record import RecordProblem, Standing, append, read, summary


def check(outcome, points=0, lesson="cpas-06", exercise="CtStudies"):
    return {"lesson": lesson, "exercise": exercise, "event": "check", "outcome": outcome, "points": points}


def test_events_come_back_in_order_with_time_and_version(home):
    append({"lesson": "cpas-06", "event": "open"})
    append(check("not yet"))
    first, second = read()
    assert (first["event"], second["outcome"]) == ("open", "not yet")
    assert first["v"] == 1
    assert first["at"].endswith("+00:00")


def test_no_record_yet_is_an_empty_one(home):
    assert read() == []
    assert not home.exists()


def test_the_home_is_the_users_data_folder_unless_the_environment_says_otherwise(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSEKIT_HOME", raising=False)
    assert record.home().name == "coursekit"
    monkeypatch.setenv("COURSEKIT_HOME", str(tmp_path))
    assert record.home() == tmp_path


@pytest.mark.parametrize("torn", [b'{"lesson": "cpas-06", "ev', b"{", b"\xff\xfe\x00", b'{"a": "\xc3'])
def test_a_torn_line_is_ignored_and_spoils_nothing(home, torn):
    append(check("not yet"))
    with open(home / "progress.jsonl", "ab") as file:
        file.write(torn)
    assert len(read()) == 1
    append(check("correct", 2))
    assert [event["outcome"] for event in read()] == ["not yet", "correct"]


def test_lines_that_are_no_events_are_left_out(home):
    append(check("correct", 2))
    with open(home / "progress.jsonl", "ab") as file:
        file.write(b'\n[1, 2]\n"text"\nnull\n\nnonsense\n')
    append(check("not yet"))
    assert len(read()) == 2


def test_a_line_holds_no_raw_line_end_whatever_the_event_says(home):
    append({**check("not yet"), "feedback": "one\ntwo\r\u2028\u00e9\ud800"})
    assert read()[0]["feedback"] == "one\ntwo\r\u2028\u00e9\ud800"
    assert (home / "progress.jsonl").read_bytes().count(b"\n") == 1


APPEND_FOREVER = """
import itertools
from coursekit.learner.record import append
for number in itertools.count():
    append({"lesson": "cpas-06", "exercise": "Kill", "event": "hint", "n": number, "filler": "x" * 3000})
    print(number, flush=True)
"""


def test_what_was_acknowledged_survives_kill_9(home):
    acknowledged = 0
    for round in range(8):
        process = start_python(APPEND_FOREVER)
        for _ in range(3):
            process.stdout.readline()
        time.sleep(random.Random(round).random() / 20)
        process.kill()
        acknowledged += 3 + len(process.communicate()[0].split())
        assert sum(event["event"] == "hint" for event in read()) >= acknowledged
        append(check("not yet"))
        assert read()[-1]["outcome"] == "not yet"
    assert acknowledged >= 24


APPEND_SOME = """
import sys
from coursekit.learner.record import append
for number in range(100):
    append({"lesson": "cpas-06", "exercise": sys.argv[1], "event": "hint", "n": number, "filler": "x" * 500})
"""


def test_many_kernels_at_once_lose_nothing(home):
    for process in [start_python(APPEND_SOME, name) for name in "abcdef"]:
        finish(process)
    lines = (home / "progress.jsonl").read_bytes().splitlines()
    events = [json.loads(line) for line in lines if line]       # who waits too long for the lock may put an empty one before its own
    assert len(events) == 600
    for name in "abcdef":
        assert [event["n"] for event in events if event["exercise"] == name] == list(range(100))


def test_a_lock_that_somebody_else_keeps_does_not_stop_the_learner(home):
    append(check("not yet"))
    free = threading.Event()

    def hold():
        with locked(home / "progress.lock", seconds=1) as state:
            held.append(state)
            free.wait(30)

    held = []
    thread = threading.Thread(target=hold)
    thread.start()
    while not held:
        time.sleep(0.001)
    append(check("correct", 2))
    free.set()
    thread.join()
    assert held == ["held"]
    assert len(read()) == 2


def test_a_home_that_is_a_file_is_told_in_one_sentence(home):
    home.write_text("")
    with pytest.raises(RecordProblem, match="could not be noted down: a file stands where a folder is needed") as told:
        append(check("correct", 2))
    assert "\n" not in str(told.value)


def test_a_record_that_is_a_folder_is_told(home):
    (home / "progress.jsonl").mkdir(parents=True)
    with pytest.raises(RecordProblem, match="could not be noted down"):
        append(check("correct", 2))
    with pytest.raises(RecordProblem, match="can't be read"):
        read()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "the disk can only be read"),
        (errno.EACCES, "it may not be written"),
    ],
)
def test_a_disk_that_refuses_is_told_and_costs_nothing_earned_before(home, monkeypatch, code, words):
    append(check("correct", 2))

    def refuse(*_):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        with pytest.raises(RecordProblem, match=words):
            append(check("not yet"))
    assert len(read()) == 1


def test_a_disk_that_fills_in_the_middle_of_a_line_is_told_and_the_next_line_is_whole(home, monkeypatch):
    whole = os.write
    append(check("correct", 2))
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda handle, line: whole(handle, line[:20]))
        with pytest.raises(RecordProblem, match="the disk is full"):
            append(check("not yet"))
    append(check("not yet", exercise="Next"))
    assert [event["exercise"] for event in read()] == ["CtStudies", "Next"]


def test_the_summary_counts_by_lesson_and_exercise():
    hint = {"lesson": "cpas-06", "exercise": "CtStudies", "event": "hint"}
    events = [
        {"lesson": "cpas-06", "event": "open"},
        {"lesson": "cpas-07", "event": "open"},
        check("not answered yet"),
        check("the course has a problem"),
        check("not yet"),
        {**hint, "number": 1},
        {**hint, "number": 2},
        {**hint, "number": 1},
        check("correct", 2),
        {**hint, "event": "solution", "exercise": "Other"},
    ]
    assert summary(events) == {
        "cpas-06": {
            "CtStudies": Standing(attempts=2, hints=2, correct=True, points=2),
            "Other": Standing(solution=True),
        },
        "cpas-07": {},
    }


def test_hints_without_a_number_are_counted():
    hint = {"lesson": "a", "exercise": "b", "event": "hint"}
    assert summary([hint, hint])["a"]["b"].hints == 2


def test_what_is_earned_stays_earned():
    earned = [check("not yet"), check("correct", 2)]
    later = [check("not yet"), check("correct", 0), {**check(""), "event": "solution"}, {**check(""), "event": "?"}]
    standing = summary(earned + later)["cpas-06"]["CtStudies"]
    assert (standing.correct, standing.points, standing.attempts) == (True, 2, 2)


@pytest.mark.parametrize("odd", [{}, {"lesson": 3}, {"lesson": None, "exercise": []}, {"lesson": "a", "exercise": {}}])
def test_odd_events_do_no_harm(odd):
    assert summary([odd, check("correct", 2)])["cpas-06"]["CtStudies"].correct
    assert summary([check("correct", "many")])["cpas-06"]["CtStudies"].points == 0
