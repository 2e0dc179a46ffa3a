"""Sequence diagrams of journals: what they say, and that they are drawn."""

from types import SimpleNamespace

import pytest

from coursekit.figures import exchange as module
from coursekit.figures.exchange import ROWS, exchange
from coursekit.systems.system import Journal


def journal(count=1):
    events = Journal()
    for number in range(count):
        events.add("CTER01", "HV_PACS", "C-STORE-RQ", f"image {number}")
    return events


def test_an_arrow_an_event():
    events = journal()
    events.add("HV_PACS", "CTER01", "C-STORE-RSP", "A700H, out of resources")
    events.add("HV_PACS", "HV_PACS", "failed", "disk full")
    picture = exchange(events, "An image is sent")
    assert picture.png.startswith(b"\x89PNG")
    assert picture.says == ("An image is sent. Sequence diagram, from the left: CTER01, HV_PACS. CTER01 to HV_PACS: C-STORE-RQ image 0; "
                            "HV_PACS to CTER01: C-STORE-RSP A700H, out of resources; HV_PACS: failed disk full.")


def test_who_stands_on_the_left():
    events = journal()
    events.add("RIS", "HV_PACS", "ORM^O01")
    assert "from the left: RIS, CTER01, HV_PACS." in exchange(events, first=("ECC_RIS", "RIS")).says


def test_of_many_events_the_middle_is_counted():
    assert " more" not in exchange(journal(ROWS)).says
    picture = exchange(journal(100))
    assert f"then {100 - ROWS + 1} more; CTER01 to HV_PACS: C-STORE-RQ image {100 - ROWS // 2 + 1};" in picture.says
    assert picture.says.endswith("image 99.") and picture.png.startswith(b"\x89PNG")


def test_nothing_one_party_and_many():
    assert exchange(Journal()).says == "What was said. Nothing has happened yet." and exchange([]).png.startswith(b"\x89PNG")
    alone = [SimpleNamespace(source="HIS", target="HIS", what="queue", detail="")]
    assert "HIS: queue" in exchange(alone).says and exchange(alone).png
    many = [SimpleNamespace(source=f"S{number}", target="HV_PACS", what="A-ASSOCIATE-RQ", detail="x" * 300) for number in range(6)]
    assert exchange(many).png.startswith(b"\x89PNG")


def test_what_is_too_long_for_one_line_stands_below_its_arrow():
    from matplotlib.text import Text

    events = [SimpleNamespace(source=source, target=target, what="ITI-42 response", detail="Failure: XDSUnknownPatientId")
              for source, target in ("AB", "BC", "CD", "AD")]
    texts = [one.get_text() for one in exchange(events).figure.findobj(Text)]
    assert texts.count("Failure: XDSUnknownPatientId") == 3 and not any("…" in text for text in texts)       # from A to D there is room


@pytest.mark.parametrize("what, detail, answer, refuses", [
    ("C-STORE-RQ", "CT Image Storage", False, False), ("C-STORE-RSP", "0000H", True, False), ("C-STORE-RSP", "A700H, out of resources", True, True),
    ("C-STORE-RSP", "B000H", True, False), ("C-FIND-RSP", "0000H after 3 answers", True, False), ("A-ASSOCIATE-RJ", "1/1/3", True, True),
    ("A-ASSOCIATE-AC", "2 presentation contexts accepted", True, False), ("A-ABORT", "", False, True), ("ADT^A04", "C1", False, False),
    ("ACK", "AA C1", True, False), ("ACK^A04", "AE C1", True, True), ("ITI-42", "", False, False), ("ITI-42 response", "Success", True, False),
    ("ITI-42 response", "Failure: XDSUnknownPatientId", True, True), ("soap:Fault", "Sender: no", True, True), ("N-EVENT-REPORT-RQ", "event 1", False, False),
])
def test_answers_and_refusals_look_different(monkeypatch, what, detail, answer, refuses):
    drawn = []
    monkeypatch.setattr(module, "arrow", lambda *arguments: drawn.append(arguments))
    exchange([SimpleNamespace(source="HIS", target="HV_PACS", what=what, detail=detail)])
    assert drawn[0][6:] == (answer, refuses, refuses) and ("\u2717" in drawn[0][4]) == refuses
