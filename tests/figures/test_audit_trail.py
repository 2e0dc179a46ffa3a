"""The pictures of an audit trail: that they are drawn, and what they say."""

import re

from coursekit.figures import audit_trail
from coursekit.hospital import hospital
from coursekit.lessons.cpsa_01_audit_trails import lesson


def _input(name):
    return lesson.input_of(name, hospital(0, "tiny"))


def test_a_month_counts_each_message_once():
    trail = _input("trail")
    picture = audit_trail.month(trail)
    assert picture.png.startswith(b"\x89PNG") and f"{len(trail):,} in all" in picture.says
    chosen = trail[trail.event == "110114"]
    assert f"logins and logouts {len(chosen):,}" in picture.says and repr(picture) == repr(audit_trail.month(trail))


def test_a_night_says_both_times():
    picture = audit_trail.night(_input("case_trail"))
    assert picture.png.startswith(b"\x89PNG")
    assert "CTER01: images sent" in picture.says and "(sent as 02:" in picture.says


def test_a_month_and_a_night_add_up():
    trail = _input("trail")
    said = audit_trail.month(trail).says
    counts = [int(found.replace(",", "")) for found in re.findall(r"[a-z] ([\d,]+)[;.]", said)]
    assert sum(counts) == len(trail) and "not whole" in said
    # By the times as sent, the scanner's messages stand elsewhere than by UTC.
    order = audit_trail.night(_input("case_trail")).says.split("the order would be: ")[1]
    assert order.index("images stored") < order.index("images sent")


def test_who_has_opened_when():
    picture = audit_trail.seen([("avisser", "Ward 2A", [2.0, 11.5], False), ("bcosta", "Radiology", [14.0], True)], "One patient")
    assert picture.png.startswith(b"\x89PNG") and "avisser (Ward 2A, no care relation) at 2, 12; bcosta (Radiology) at 14" in picture.says
    assert audit_trail.seen([("avisser", "Ward 2A", [70.0], True)], "One").png.startswith(b"\x89PNG")


def test_frames_and_pieces():
    picture = audit_trail.frames([120, 80], [50, 180])
    assert picture.png.startswith(b"\x89PNG")
    assert "Sent: 120, a blank, 120 octets; 80, a blank, 80 octets" in picture.says and "pieces of 50, 130, 27 octets" in picture.says
