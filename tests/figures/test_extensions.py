"""The pictures of lesson hl7-02: drawn, and told in words."""

from coursekit.figures.extensions import segment_rows, through_engine, two_texts
from coursekit.standards import hl7
from coursekit.systems.engine import Engine
from coursekit.systems.mllp import Listener, send


def test_segment_rows():
    rows = [("ADT^A04", ["MSH", "PID", "ZPI"], []), ("ORU^R01", ["MSH", "OBR", "ZVX", "OBX"], [(1, 3, "ORDER")])]
    picture = segment_rows(rows, title="T")
    assert "ADT^A04: MSH PID ZPI. ORU^R01: MSH OBR ZVX OBX (group ORDER: OBR ZVX OBX)." in picture.says
    assert picture.png.startswith(b"\x89PNG")


def test_two_texts():
    picture = two_texts()
    assert picture.says.index("unchanged sender") < picture.says.index("nobody notices") < picture.says.index("unchanged receiver")
    assert picture.png.startswith(b"\x89PNG")


def test_through_engine_shows_what_was_changed():
    def without_name(message):
        message["PID-5"] = ""

    def older(message):
        message["PID-5"], message["MSH-12"] = "", "2.3"

    with Listener("LIST") as receiver, Listener("OLD") as old, Engine("E") as engine:
        engine.destination("LIST", receiver.port)
        engine.destination("OLD", old.port)
        engine.channel("a", map=[without_name], to="LIST")
        engine.channel("b", map=[older], to="OLD")
        send(engine.host, engine.port, hl7.parse("MSH|^~\\&|CARD|H|E|H|20250407||ADT^A08|C1|P|2.5.1\rPID|1||7||DOE^JO"))
        engine.settle()
    picture = through_engine(engine)
    assert "passes, PID-5 changed, goes to LIST, which answers AA" in picture.says
    assert "passes, 2 fields changed, goes to OLD, which answers AA" in picture.says


def test_through_engine():
    sent = ("CARD", "C1"), ("HIS", "H1"), ("CARD", "C2")
    heads = [f"MSH|^~\\&|{sender}|H|E|H|20250407||ADT^A08|{number}|P|2.5.1" for sender, number in sent]
    with Listener("LIST") as receiver, Engine("E") as engine:
        engine.destination("LIST", receiver.port)
        engine.channel("devices", filter=lambda message: message.sender == "CARD", to="LIST")
        for head in heads:
            send(engine.host, engine.port, hl7.parse(head))
            engine.settle()
    picture = through_engine(engine)
    assert picture.says == (
        "What came of each message. E received 3 messages. ADT^A08 C1 of CARD, answered AA: passes, goes to LIST, which answers AA. "
        "ADT^A08 H1 of HIS, answered AA: filtered, it goes nowhere. ADT^A08 C2 of CARD, answered AA: passes, goes to LIST, which "
        "answers AA.")
    assert picture.png.startswith(b"\x89PNG")
