"""The pictures of an HL7 interface: drawn, and told in words."""

from coursekit.figures.interface import channels, counted, moved
from coursekit.systems.engine import Counts


def test_fields_are_counted_as_the_standard_does():
    picture = counted(["MSH|^~\\&|RIS|HVGH", "PID|1||HV1^^^HVGH^MR||DOE^" + "J" * 80 + "|a|b|c|d|e"], title="Counting")
    assert "MSH-1 is |; MSH-2 is ^~\\&; MSH-3 is RIS" in picture.says
    assert "PID-1 is 1; PID-2 is empty; PID-3 is HV1^^^HVGH^MR" in picture.says and "PID-9 is d and so on" in picture.says
    assert picture.png.startswith(b"\x89PNG")


def test_where_a_split_has_them():
    picture = counted(["MSH|^~\\&|RIS", "PID|1"], title="Counting", split=True)
    assert "MSH-1 is |, swallowed by the split; MSH-2 is ^~\\&, at 1 of the split; MSH-3 is RIS, at 2 of the split" in picture.says
    assert "PID-1 is 1, at 1 of the split" in picture.says and picture.png.startswith(b"\x89PNG")


def test_where_parts_go():
    picture = moved([("OBR", "the request"), ("IPC", "step 1"), ("IPC", "step 2")], [("OBR", "IDs"), ("OBR", "IDs"), ("ZDS", "UID")],
                    [((0,), (0, 1), "copied"), ((1,), (0,), "its IDs"), ((2,), (1,), "its IDs, too"), ((1,), (2,), "the UID")],
                    title="A map", heads=("OMI", "ORM"))
    assert "At the left, OMI: OBR, IPC, IPC. At the right, ORM: OBR, OBR, ZDS" in picture.says
    assert "OBR (the request) to OBR (IDs) and OBR (IDs): copied; IPC (step 1) to OBR (IDs): its IDs" in picture.says
    assert picture.png.startswith(b"\x89PNG")


def test_channels_with_their_counters():
    rows = [("orders", "OMI^O23", "to_orm", "HV_PACS", Counts(300, 290, 9, 0, 1)),
            ("reports", "ORU^R01", "none", "EMR", Counts(300, 299, 1))]
    picture = channels(["RIS", "ECC_RIS", "VOX"], rows, title="A morning")
    assert "the error queue, which holds 1" in picture.says
    assert "channel orders, filter OMI^O23, map to_orm, to HV_PACS: received 300 filtered 290 sent 9 queued 0 errors 1" in picture.says
    assert picture.png.startswith(b"\x89PNG")
