"""Listings and pictures of packets: what they say, and that they are drawn."""

import pytest

from coursekit.figures.packets import contents, envelopes, flags, ladder, listing, network_map, sent_over_time, time_sequence
from coursekit.hospital import hospital
from coursekit.standards import pcap


@pytest.fixture(scope="module")
def echo():
    capture = hospital(0, "tiny").capture("echo")
    return pcap.packets(capture.packets), capture.truth["hosts"]


def test_what_begins_in_which_frame(echo):
    packets, _ = echo
    assert contents(packets) == {4: ["A-ASSOCIATE-RQ"], 5: ["A-ASSOCIATE-AC"], 6: ["C-ECHO-RQ"], 7: ["C-ECHO-RSP"], 8: ["A-RELEASE-RQ"],
                                 9: ["A-RELEASE-RP"]}
    assert [flags(packet) for packet in packets[:3]] == ["SYN", "SYN, ACK", "ACK"]


def test_hl7_goes_by_its_events_and_silence_has_no_contents():
    h = hospital(0, "tiny")
    assert list(contents(pcap.packets(h.capture("mllp").packets)).values()) == [["ORM^O01"], ["ACK"]] * 3
    assert contents(pcap.packets(h.capture("no_answer").packets)) == {}


def test_a_listing_has_a_row_a_packet(echo):
    packets, names = echo
    rows = repr(listing(packets, names)).splitlines()
    assert len(rows) == 1 + len(packets)
    assert "WS_CH1" in rows[1] and rows[1].endswith("Win=65535 MSS=1460 WS=256") and rows[4].endswith("187  A-ASSOCIATE-RQ")
    assert [row.split()[0] for row in repr(listing(packets, names, [2, 5])).splitlines()] == ["No.", "2", "5"]


def test_pictures_say_what_they_show_and_are_png(echo):
    packets, names = echo
    drawn = [
        ladder(packets, names, "A test", phases=[(1, 3, "handshake")]),
        envelopes([("Ethernet", "to a card", 14), ("IP", "to a host", 20), ("DICOM", "a PDU", 187)], "A frame"),
        network_map([("servers", "10.20.10.0/24", ["HV_PACS  10.20.10.10"]), ("offices", "10.20.60.0/24", [])] * 2, "router",
                    ("Eastcliff", "10.60.40.0/24", ["EC_WS1  10.60.40.15"], "line")),
        sent_over_time(pcap.packets(hospital(0, "tiny").capture("store").packets), 1e8, "A store"),
    ]
    for picture in drawn:
        assert picture.png.startswith(b"\x89PNG")
    assert "0.000 ms WS_CH1 sends SYN" in drawn[0].says and "Frames 1 to 3: handshake." in drawn[0].says
    assert drawn[1].says == ("A frame. 221 bytes in all, one envelope in the other: Ethernet, to a card, 14 bytes; inside it IP, to a "
                             "host, 20 bytes; inside it DICOM, a PDU, 187 bytes.")
    assert "servers 10.20.10.0/24 with HV_PACS 10.20.10.10" in drawn[2].says
    assert "0.03 MB are sent" in drawn[3].says


def test_the_steps_may_be_explained():
    from coursekit.lessons.cpas_10_networks import lesson
    packets = lesson.input_of("eastcliff", hospital(0, "tiny"))
    plain, explained = (sent_over_time(packets, 1e8, "Far", explained=wanted) for wanted in (False, True))
    assert explained.png.startswith(b"\x89PNG") and explained.says.startswith(plain.says)
    assert "one window high, 0.066 MB, and one round trip wide, 0.039 seconds" in explained.says
    assert "waits for the C-STORE response: 0.062 and 0.084 seconds" in explained.says


def test_a_time_sequence_graph_shows_what_was_sent_again():
    h = hospital(0, "tiny")
    names = ("store", "duplex", "no_answer", "mtu", "zero_window")
    shown = {name: pcap.connections(pcap.packets(h.capture(name).packets))[-1] for name in names}
    pictures = {name: time_sequence(talk, pcap.CLIENT, name) for name, talk in shown.items()}
    assert all(picture.png.startswith(b"\x89PNG") for picture in pictures.values())
    assert "nothing is sent again" in pictures["store"].says
    assert "12 segments are sent again, of 1460 bytes, at 0.347, " in pictures["duplex"].says
    assert pictures["no_answer"].says.endswith("no byte goes. The SYN goes 3 times, at 0.000, 3.000, 9.000 seconds; nothing is confirmed.")
    assert "a single byte goes 6 times, at 0.356, " in pictures["zero_window"].says and "sent again" not in pictures["zero_window"].says
    assert pictures["mtu"].says.endswith("0.3 kB are confirmed at the end; nothing more is confirmed after 0.045 seconds.")


def test_what_nobody_confirms_stays_in_the_picture_as_a_level_line():
    talk = pcap.connections(pcap.packets(hospital(0, "tiny").capture("mtu").packets))[-1]
    axes = time_sequence(talk, pcap.CLIENT, "mtu").figure.axes[0]
    line = next(line for line in axes.lines if line.get_label().startswith("confirmed"))
    assert line.get_xdata()[-1] > 40 and line.get_ydata()[-1] == line.get_ydata()[-2] < 0.4


def test_a_stretch_of_a_time_sequence_graph_is_enlarged():
    talk = pcap.connections(pcap.packets(hospital(0, "tiny").capture("store").packets))[0]
    whole, part = (time_sequence(talk, pcap.CLIENT, "store", seconds=stretch) for stretch in (None, (0.004, 0.006)))
    assert part.says == whole.says + " Shown is the stretch from 4 to 6 milliseconds."
    assert part.figure.axes[0].get_xlim() == (4, 6) and "milliseconds" in part.figure.axes[0].get_xlabel()
    assert time_sequence(talk, pcap.CLIENT, "store", seconds=(900, 901)).png.startswith(b"\x89PNG")
