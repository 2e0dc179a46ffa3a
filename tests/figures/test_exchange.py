"""Sequence diagrams of journals: what they say, and that they are drawn."""

from types import SimpleNamespace

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
