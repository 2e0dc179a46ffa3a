"""Captures as tables: what is true of the hospital's captures shows, what real captures suffer is borne, tshark reads the same."""

import random
import re
import shutil
import subprocess
import warnings
from collections import Counter, defaultdict

import pytest

from coursekit.hospital import hospital
from coursekit.standards import pcap
from coursekit.standards import upper_layer as ul
from coursekit.standards.pcap import ACK, FIN, SYN, Frame
from coursekit.standards.sniffer import Sniffer, status

TABLES = ("conversations", "pdus", "contexts", "messages", "hl7", "timing", "oddities")
ENDS = ("10.0.0.1", "10.0.0.2")


@pytest.fixture(scope="module")
def captures():
    h = hospital(0, "tiny")
    return {name: h.capture(name) for name in h.captures}


@pytest.fixture(scope="module")
def seen(captures):
    return {name: Sniffer(capture.packets, capture.truth["hosts"]) for name, capture in captures.items()}


def segment(seq, data=b"", flags=ACK, back=False, ack=0, time=0, **ip):
    ends, ports = (ENDS[::-1], (104, 40000)) if back else (ENDS, (40000, 104))
    return Frame(time, pcap.ethernet("02:00:00:00:00:01", "02:00:00:00:00:02", 0x0800, pcap.ipv4(
        *ends, 6, pcap.tcp(*ends, *ports, seq, ack, flags, 1000, payload=data), 1, **ip)))


def store(size=4000):
    """The frames of a C-STORE: handshake, request, acceptance, a command, a data set in three PDUs, a release."""
    request = ul.AssociateRequest("SCP", "SCU", (ul.Context(1, "1.2.840.10008.5.1.4.1.1.2", ("1.2.840.10008.1.2",)),), ())
    accept = ul.AssociateAccept("SCP", "SCU", (ul.ContextResult(1, 0, "1.2.840.10008.1.2"),), ())
    command = {"AffectedSOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "CommandField": 1, "MessageID": 7, "Priority": 0,
               "CommandDataSetType": 1, "AffectedSOPInstanceUID": "2.999.1"}
    frames, seq = [segment(9, flags=SYN), segment(99, flags=SYN | ACK, back=True, ack=10), segment(10, ack=100)], 10
    for pdu in (request, *ul.fragment(ul.Message(1, command, bytes(size)), 2000), ul.ReleaseRequest()):
        octets = pdu.encode()
        frames += [segment(seq + at, octets[at:at + 500], ack=100) for at in range(0, len(octets), 500)]
        seq += len(octets)
    return [*frames, segment(100, accept.encode(), back=True, ack=seq)]


def sniff(*frames):
    return Sniffer(pcap.write([frame._replace(time=frame.time or 1000 * number) for number, frame in enumerate(frames, 1)]))


def test_conversations_are_those_of_the_truth(captures, seen):
    for name, capture in captures.items():
        table = seen[name].conversations
        for said, talk in zip(capture.truth["associations"], seen[name].talks[:len(capture.truth["associations"])], strict=True):
            assert talk.client[0] in capture.truth["hosts"], name
            assert said["client"] in set(table.client) and said["server"] in set(table.server), name
        assert len(table) == len(seen[name].talks)
        requests = seen[name].pdus[seen[name].pdus.pdu == "A-ASSOCIATE-RQ"]
        if name != "artim":                                     # there the request comes after the end
            assert list(requests.frame) == [one["request_frame"] for one in capture.truth["associations"]], name
    assert list(seen["no_answer"].conversations.opened) == ["no answer"]
    assert list(seen["mr_idle"].conversations.ended) == ["RST by server", "FIN by client"]
    assert seen["mr_idle"].conversations.longest_pause[0] > 500 and seen["tls"].conversations.protocol[0] == "TLS"
    assert repr(seen["echo"]) == "<capture: 13 frames in 0.012 s, 1 TCP connection (1 DICOM)>"


def test_what_is_wrong_below_shows_and_nothing_else_does(captures, seen):
    shows = {"artim": "RST", "ids_rst": "other time to live", "mr_idle": "pause", "mtu": "sent again", "us_dup": "two hardware addresses",
             "tls": "unreadable", "duplex": "sent again", "zero_window": "zero window", "no_answer": "no answer",
             "mllp_no_end": "unreadable"}
    for name, capture in captures.items():
        odd = set(seen[name].oddities.what) - {"pause"}
        if name in shows:
            assert shows[name] in set(seen[name].oddities.what), name
        else:
            assert odd == set(), name
        assert seen[name].unread == [] and seen[name].pdus.missing.any() == (name in ("ids_rst", "mtu")), name
    repeated = seen["duplex"].oddities
    assert list(repeated.frame[repeated.what == "sent again"]) == captures["duplex"].truth["frames"]


def test_messages_and_statuses(captures, seen):
    for name in ("status_a700", "status_a900", "status_c000", "status_b000", "status_0122", "move_unknown"):
        truth = captures[name].truth
        last = seen[name].messages.iloc[-1]
        assert last.status == truth["facts"]["status"] and last.frame == truth["frames"][-1] and last.comment, name
    assert seen["status_a700"].messages.meaning.iloc[-1] == "Failure: Refused: Out of Resources"
    assert seen["move_unknown"].messages.meaning.iloc[-1] == "Failure: Move destination unknown"
    found = seen["worklist"].messages
    assert list(found.message[:2]) == ["C-FIND-RQ", "C-FIND-RSP"] and list(found.status[1:]) == ["FF00"] * (len(found) - 2) + ["0000"]
    assert found.meaning.iloc[1].startswith("Pending: Matches are continuing") and found.meaning.iloc[-1] == "Success"
    assert status({"Status": 0x0000, "CommandField": 0x8030}) == "Success" and status({"CommandField": 0x0030}) == ""
    stored = seen["store"].messages.iloc[0]
    assert stored.sop_class == "CT Image Storage" and stored.sop_instance == captures["store"].truth["facts"]["sop_uid"]
    assert stored["data_set"] > 32768 and stored.complete > stored.frame


def test_contexts(seen):
    table = seen["mg_ctx"].contexts
    assert list(table.result) == [0, 4] and list(table.answer) == ["acceptance", "transfer syntaxes not supported"]
    assert table.accepted[0] == "Explicit VR Little Endian" and table.accepted[1] == ""
    refused = seen["ct_mwl"].contexts
    assert refused.result.isna().all() and refused.abstract[0] == "Modality Worklist Information Model - FIND"


def test_hl7_messages_and_their_acknowledgements(seen):
    table = seen["mllp"].hl7
    assert list(table.message) == ["ORM^O01", "ACK"] * 3 and list(table.code) == ["", "AA"] * 3
    assert list(table.answers[1::2]) == list(table.control_id[::2]) and (table.waited[1::2] < 0.1).all() and table.waited[::2].isna().all()
    broken = seen["mllp_no_end"].hl7
    assert list(broken.comment[broken.complete.isna()]) == ["the frame has no end block (1C 0D)"] * 3
    assert set(table.comment) == {""}                                   # AA names no error
    refused = seen["mllp_a40"].hl7
    assert "AE" in list(refused.code)
    assert list(refused.comment[refused.code == "AE"]) == ["204 Unknown key identifier at MRG^1^1^1^4"]


def test_where_the_time_went(seen):
    table = seen["store"].timing.set_index("step")
    packets = seen["store"].packets
    assert table.waiting["TCP handshake"] == pytest.approx((packets[2].time - packets[0].time) / 1e6)
    assert 0.014 < table.waiting["C-STORE-RQ"] < 0.046 and table.sending["C-STORE-RQ"] > 0 and table.responses["C-STORE-RQ"] == 1
    worklist = seen["worklist"].timing.set_index("step").loc["C-FIND-RQ"]
    assert worklist.responses == len(seen["worklist"].messages) - 1 and worklist.answering > 0
    waits = seen["mr_idle"].timing
    assert waits.waiting.isna().sum() == 1 and waits.responses[waits.waiting.isna()].item() == 0


def test_whatever_order_and_however_often():
    frames = store()
    plain = sniff(*frames)
    assert list(plain.pdus.pdu) == ["A-ASSOCIATE-RQ"] + ["P-DATA-TF"] * 4 + ["A-RELEASE-RQ", "A-ASSOCIATE-AC"]
    assert plain.messages.data_set.item() == 4000 and plain.messages.complete.item() == len(frames) - 2
    chance = random.Random(3)
    for _ in range(30):
        mixed = frames[:3] + chance.sample(frames[3:], len(frames) - 3) + chance.choices(frames[3:], k=4)
        again = sniff(*mixed)
        assert sorted(again.pdus.pdu) == sorted(plain.pdus.pdu) and again.messages.data_set.item() == 4000
        assert again.conversations.missing.item() == 0 and again.conversations.again.item() + again.conversations.late.item() >= 4


def test_where_bytes_are_missing_it_says_so_and_goes_on():
    frames = store()
    for place in range(3, len(frames) - 1):
        seen = sniff(*frames[:place], *frames[place + 1:])
        lost = len(pcap.dissect(frames[place]).payload)
        assert seen.conversations.missing.item() == lost, place
        row = seen.oddities[seen.oddities.what == "bytes missing"].iloc[0]
        assert row.detail.startswith(f"{lost} after byte"), place
        assert row.detail.endswith("the other side got them, only the capture has not"), place
        assert (seen.pdus.complete.notna()).sum() == 6, place
    middle = sniff(*frames[:6], *frames[7:])
    assert middle.pdus.missing.max() == 500 and "A-RELEASE-RQ" in set(middle.pdus.pdu) and middle.messages.complete.isna().item()
    assert middle.messages.comment.item() == "500 bytes of its data set are missing"
    unconfirmed = sniff(*frames[:5], segment(5000, b"x", ack=100))
    assert "did not confirm" in unconfirmed.oddities.detail.iloc[0]


def test_a_capture_that_began_late_and_one_that_kept_only_the_beginnings():
    frames = store()
    late = sniff(*frames[5:])
    assert late.conversations.opened.item() == "before the capture"
    assert list(late.pdus.pdu) == ["P-DATA-TF"] * 3 + ["A-RELEASE-RQ", "A-ASSOCIATE-AC"] and late.oddities.empty
    inside = sniff(*frames[6:])
    assert list(inside.pdus.pdu) == ["unreadable", "P-DATA-TF", "P-DATA-TF", "A-RELEASE-RQ", "A-ASSOCIATE-AC"]
    short = sniff(*(frame._replace(data=frame.data[:96]) for frame in frames))
    assert "frame cut" in set(short.oddities.what) and short.pdus.missing.iloc[0] > 0
    whole = pcap.write(frames)
    cut = Sniffer(whole[:-20])
    assert len(cut.packets) == len(frames) - 1 and cut.unread[0][0] == len(frames) and "unreadable" in set(cut.oddities.what)
    with pytest.raises(pcap.BadCapture):
        Sniffer(b"no capture")


def test_keep_alives_icmp_and_a_damaged_frame():
    frames = store()
    end = pcap.dissect(frames[-2]).tcp.seq + len(pcap.dissect(frames[-2]).payload)
    alive = sniff(*frames, segment(end - 1, ack=232), segment(end - 1, b"\0", ack=232), segment(end, flags=FIN | ACK, ack=232))
    assert list(alive.oddities.what) == ["keep-alive"] * 2 and alive.conversations.ended.item() == "FIN by client"
    quoted = frames[3].data[14:42]
    icmp = pcap.ethernet("02:00:00:00:00:03", "02:00:00:00:00:01", 0x0800,
                         pcap.ipv4("10.0.0.254", ENDS[0], 1, b"\3\4\0\0\0\0\x05\x78" + quoted, 5))
    damaged = Frame(0, frames[5].data[:46] + b"\0" + frames[5].data[47:])
    odd = sniff(*frames[:5], Frame(0, icmp), damaged, *frames[5:]).oddities
    assert list(odd.what) == ["fragmentation needed", "unreadable"] and odd.stream[0] == 0
    assert odd.detail[0] == "the next hop takes 1400 bytes at most" and "frame 7" in odd.detail[1]


def test_a_file_is_read_too_and_other_protocols_have_no_rows(tmp_path):
    (tmp_path / "own.pcap").write_bytes(pcap.write([segment(1, flags=SYN), segment(2, b"GET / HTTP/1.1\r\n\r\n")]))
    seen = Sniffer(tmp_path / "own.pcap")
    assert seen.conversations.protocol.item() == "" and all(len(getattr(seen, name)) == 0 for name in ("pdus", "messages", "hl7"))
    empty = Sniffer(pcap.write([]))
    assert all(len(getattr(empty, name)) == 0 for name in TABLES) and "0 frames" in repr(empty)


def test_the_detail_of_an_association_says_how_long_a_pdu_each_side_takes(seen):
    said = list(seen["max_pdu"].pdus.detail)
    assert said[0] == "PETCT1 calls HV_PACS, 1 presentation context, takes PDUs up to 65536"
    assert said[1] == "1 of 1 presentation context accepted, takes PDUs up to 16384"
    for items, ending in (((), "1 presentation context"), ((ul.MaximumLength(0),), "1 presentation context, takes PDUs of any length")):
        request = ul.AssociateRequest("SCP", "SCU", (ul.Context(1, "1.2.840.10008.1.1", ("1.2.840.10008.1.2",)),), items)
        assert sniff(segment(10, request.encode())).pdus.detail.item() == f"SCU calls SCP, {ending}"


def test_noise_raises_nothing_but_bad_capture(captures):
    chance, refused = random.Random(5), 0
    whole = [capture.packets for name, capture in captures.items() if len(capture.packets) < 30_000]
    for _ in range(250):
        data = bytearray(chance.choice(whole))
        for _ in range(chance.choice((1, 5, 50))):
            data[chance.randrange(len(data))] = chance.choice((0, 255, chance.randrange(256)))
        if chance.random() < 0.2:
            del data[chance.randrange(len(data)):]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")                 # pydicom's, of UIDs that are none
                seen = Sniffer(data)
                assert repr(seen) and all(getattr(seen, name) is not None for name in TABLES)
        except pcap.BadCapture:
            refused += 1
    assert refused < 150


# --- tshark: the same conversations, PDUs and commands, over every capture and over what chance makes of them

FIELDS = ("frame.number", "tcp.stream", "dicom.pdu.type", "dicom.pdu.len", "_ws.col.Info")
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


def _by_tshark(file):
    """{frame: stream}, {frame: PDUs (type, length) complete in it}, {frame: names of commands in it}."""
    told = [part for port in (104, 11112, 11113) for part in ("-d", f"tcp.port=={port},dicom")]
    ran = subprocess.run(["tshark", "-r", file, "-o", "tcp.reassemble_out_of_order:TRUE", *told, "-T", "fields", "-E", "separator=\x1f",
                          *(part for field in FIELDS for part in ("-e", field))], capture_output=True, encoding="utf-8", errors="replace")
    streams, pdus, commands = {}, defaultdict(Counter), defaultdict(Counter)
    for line in ran.stdout.splitlines():
        number, stream, types, lengths, info = line.split("\x1f")
        if stream:
            streams[int(number)] = int(stream.split(",")[0])
        if types:
            pdus[int(number)].update(zip([int(one, 0) for one in types.split(",")], [int(one) for one in lengths.split(",")]))
        commands[int(number)].update(re.findall(r"[CN]-[A-Z-]+-(?:RQ|RSP)\b", info))
    return streams, pdus, commands


def _mutated(frames, kind, chance):
    frames = list(frames)
    loaded = [place for place, frame in enumerate(frames) if (packet := pcap.dissect(frame)).tcp and len(packet.payload) > 12]
    if kind == "flip" and loaded:
        place = chance.choice(loaded)
        octets = bytearray(frames[place].data)
        octets[chance.randrange(66, len(octets))] ^= 1 << chance.randrange(8)
        frames[place] = frames[place]._replace(data=bytes(octets))
    elif kind == "lose" and loaded:
        del frames[chance.choice(loaded)]
    elif kind == "twice":
        place = chance.randrange(len(frames))
        frames.insert(min(place + chance.randrange(1, 6), len(frames)), frames[place])
    elif kind == "order" and len(loaded) > 1:
        place = chance.choice(loaded)
        other = min(place + chance.randrange(1, 3), len(frames) - 1)
        frames[place], frames[other] = frames[other], frames[place]
    return frames


@needs_tshark
@pytest.mark.parametrize("kind", ["plain", "flip", "lose", "twice", "order"])
def test_tshark_reads_the_same(captures, tmp_path, kind):
    chance, frames, known = random.Random(kind), [], set()
    for name, capture in captures.items():
        if name not in ("tls", "local_limit"):                  # tshark's own reading of TLS hides what the archive answers
            seen = Sniffer(capture.packets)
            known |= {pdu.octets for some in seen._pdus for pdu in some}
            frames += _mutated(pcap.read(capture.packets), kind, chance)
    # Times must rise, since what comes soon is taken for overtaken, and what comes late for sent again.
    data = pcap.write([frame._replace(time=1_743_300_000_000_000 + 500 * number) for number, frame in enumerate(frames)])
    (tmp_path / "all.pcap").write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seen = Sniffer(data)
    streams, pdus, commands = _by_tshark(tmp_path / "all.pcap")
    assert streams == {packet.number: number for number, talk in enumerate(seen.talks) for packet in talk.packets}
    ours, named, ended = defaultdict(Counter), defaultdict(Counter), defaultdict(Counter)
    for number, some in enumerate(seen._pdus):
        for pdu in some:
            if pdu.type and pdu.frame:
                ours[pdu.frame][pdu.type, pdu.length] += 1
                if pdu.name in ul.COMMANDS.values():
                    named[pdu.frame][pdu.name] += 1
                if (pdu.type, pdu.length) not in pdus[pdu.frame]:
                    # tshark gives up after a gap, and where an answer comes before what it answers.
                    assert kind in ("flip", "lose", "order") and pdu.octets in known, (pdu.frame, pdu.name)
        for message in seen._messages[number]:
            if message.frame and message.size:
                ended[message.frame][message.name] += 1         # tshark names the command again where its data set ends
    assert sum(map(Counter.total, ours.values())) > 150
    for frame, some in pdus.items():
        assert not some - ours[frame], frame
    for frame, names in commands.items():
        if frame in pdus and kind != "flip":
            assert not names - named[frame] - ended[frame] and not (kind == "plain" and named[frame] - names), frame
