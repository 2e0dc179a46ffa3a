"""The pictures of lesson hl7-05: drawn, and told in words."""

from coursekit.figures.message_profiles import at_the_door, filled, levels
from coursekit.standards import hl7
from coursekit.systems.system import Event


def test_filled_tells_both_lots():
    picture = filled([("PID-3.4", "assigning authority", 100.0, 0.0), ("PID-7", "birth date", 99.7, 99.7)], ("old", "new"), "T")
    assert picture.says.startswith("T. Per cent") and "PID-3.4 assigning authority: 100.0 and 0.0; PID-7" in picture.says
    assert picture.says.endswith("99.7 and 99.7.") and picture.png.startswith(b"\x89PNG")


def test_levels_tells_the_usages_of_each():
    said = levels().says
    places = [said.index(one) for one in ("v2.5.1", "constrainable profile", "implementation profile")]
    assert places == sorted(places) and "usages R, O, C, B, W, X;" in said
    assert said.endswith("usages R, RE, C(a/b), X.") and levels().png.startswith(b"\x89PNG")


def test_the_door_tells_an_answer_with_its_error():
    sent = hl7.parse("MSH|^~\\&|HIS|HVGH|HV_GATE|HVGH|20250407081500||ADT^A04^ADT_A01|H1|P|2.5.1\r")
    taken, refused = hl7.acknowledgement(sent), hl7.acknowledgement(sent, hl7.Refusal("AE", "No.", "101", "PID^1^8"))
    events = [Event("HIS", "HV_GATE", "ADT^A04", "H1", sent), Event("HV_GATE", "HIS", "ACK", "AA H1", taken),
              Event("HV_GATE", "HV_GATE", "failed", "x"), Event("HV_GATE", "HIS", "ACK", "AE H1", refused)]
    picture = at_the_door(events, "T")
    assert picture.says == ("T. Sequence diagram, from the left: HIS, HV_GATE. HIS to HV_GATE: ADT^A04 H1; HV_GATE to HIS: ACK AA H1; "
                            "HV_GATE: failed x; HV_GATE to HIS: ACK AE H1: ERR-2 PID^1^8, ERR-3 101, ERR-4 E.")
    assert picture.png.startswith(b"\x89PNG")


def test_bars_are_labelled_alike():
    assert "100.0 and 0.0" in filled([("PID-3.4", "assigning authority", 100, 0)], ("old", "new"), "T").says
