"""The pictures of what a sniffer sees."""

from coursekit.figures.sniffing import open_at_once, segments_and_pdus, three_parts, two_sides
from coursekit.hospital import hospital
from coursekit.standards.sniffer import Sniffer


def test_segments_and_pdus_name_their_bytes():
    picture = segments_and_pdus([(0, 1460, "segment 1"), (1460, 300, "segment 2")], [(0, 200, "A-ASSOCIATE-RQ"), (200, 9000, "P-DATA-TF")],
        "A stream")
    assert picture.png.startswith(b"\x89PNG")
    assert "A-ASSOCIATE-RQ, bytes 0 to 199" in picture.says and "segment 2, bytes 1460 to 1759" in picture.says


def test_open_at_once_counts_what_is_open_and_what_is_rejected():
    seen = Sniffer(hospital(3, "tiny").capture("local_limit").packets)
    refused = (seen.pdus["pdu"] == "A-ASSOCIATE-RJ").sum()
    picture = open_at_once(seen, 12, "An hour")
    assert picture.png.startswith(b"\x89PNG")
    assert f"the limit of 12 for some minutes, and {refused} crosses" in picture.says


def test_the_two_schemes_are_told_in_words():
    assert "WS_ED1 at the left and HV_PACS at the right" in two_sides("WS_ED1", "HV_PACS").says
    assert two_sides("WS_ED1", "HV_PACS").png.startswith(b"\x89PNG") and three_parts("MR1", "HV_PACS").png.startswith(b"\x89PNG")
    assert "MR1 above, HV_PACS below" in three_parts("MR1", "HV_PACS").says
    assert "the two ways together are one round trip" in three_parts("MR1", "HV_PACS").says
