"""The feed's messages, judged by parsers that we did not write, and compared with the database."""

import collections
import re
import tempfile

import pytest

from coursekit.hospital import hospital
from coursekit.hospital.feed import batches, feed, identifiers, read, unended
from coursekit.hospital.feed_quirks import QUIRKS

SEEDS = (1, 2, 3, 4)
# hl7apy 1.3.5 complains without cause of: the choice group of ORM^O01, of which it demands every member; and
# acknowledgements of version 2.3, whose structure it does not find without MSH-9.3, which 2.3 has not.
FALSE_ALARM = re.compile(r"Missing required child ORM_O01_CHOICE\.(RQD|RQ1|ODS|ODT|RXO)")


def not_known_to_hl7apy(message):
    return message.event == "ACK" and "|P|2.3\r" in message.text


@pytest.fixture(scope="module", params=SEEDS)
def h(request):
    return hospital(request.param, "tiny")


@pytest.fixture(scope="module")
def judged():
    """One in some messages of every sort, and all with a rare quirk, of a few hospitals."""
    chosen, met = [], collections.Counter()
    for seed in SEEDS:
        for message in hospital(seed, "tiny").feed:
            sort = (message.sender, message.receiver, message.event, message.quirks)
            met[sort] += 1
            if met[sort] <= 5:
                chosen.append(message)
    return chosen


def strictly(text):
    """What hl7apy's strict validation finds wrong, known false alarms left out: a list of str."""
    from hl7apy import parser as hl7apy
    from hl7apy.consts import VALIDATION_LEVEL
    from hl7apy.exceptions import HL7apyException
    try:
        message = hl7apy.parse_message(text, validation_level=VALIDATION_LEVEL.STRICT)
        with tempfile.NamedTemporaryFile("r", suffix=".txt") as report:
            message.validate(report_file=report.name)
            wrong = [line for line in report if line.startswith("Error")]
    except (HL7apyException, ValueError) as error:             # it raises what it finds first
        wrong = [f"{type(error).__name__}: {error}"]
    return [line for line in wrong if not FALSE_ALARM.search(line)]


def test_clean_messages_pass_strict_validation_and_others_fail_for_their_quirk(judged):
    wrong = []
    for message in judged:
        if not_known_to_hl7apy(message):
            continue
        found = strictly(message.text)
        expected = any(QUIRKS[quirk].strict_fails for quirk in message.quirks)
        if bool(found) != expected:
            wrong.append((message.sender, message.event, message.quirks, found))
    assert wrong == []
    assert len(judged) > 150


def test_a_message_passes_when_its_quirk_is_undone(judged):
    undone = collections.Counter()
    for message in judged:
        text = message.text
        if "LF" in message.quirks:
            text = text.replace("\n", "\r")
        if "& not escaped" in message.quirks:
            text = text.replace(" & ", r" \T" + "\\ ")
        if text != message.text and "base64 PDF" not in message.quirks:
            undone[message.quirks] += 1
            assert strictly(text) == [], message
    assert len(undone) >= 4


def test_the_validation_sees_what_is_wrong():
    good = next(message for message in hospital(1, "tiny").feed if message.event == "ADT^A40" and not message.quirks).text
    assert strictly(good) == []
    assert strictly(re.sub(r"\rMRG[^\r]*", "", good)) != []


def test_python_hl7_reads_all_but_those_with_line_feeds(h):
    import hl7
    for message in h.feed:
        parsed = hl7.parse(message.text)
        assert (len(parsed) > 1) == ("LF" not in message.quirks), message
        if "LF" not in message.quirks:
            assert str(parsed["MSH"][0][10]) == message.control_id


def test_quirks_show_in_the_bytes_and_only_where_they_are_named(h):
    for message in h.feed:
        for name, quirk in QUIRKS.items():
            if quirk.shows:
                assert bool(quirk.shows(message.bytes)) == (name in message.quirks), (name, message)
    assert {quirk for message in h.feed for quirk in message.quirks} <= QUIRKS.keys()


def test_every_quirk_occurs():
    met = {quirk for seed in range(1, 13) for message in hospital(seed, "tiny").feed for quirk in message.quirks}
    assert met | {quirk for batch in batches(hospital(1, "tiny")) for quirk in batch.quirks} == QUIRKS.keys()


def test_each_message_is_answered_in_its_version_soon_after(h):
    open_ = collections.defaultdict(list)
    for message in h.feed:
        if message.event == "ACK":
            says = identifiers(message)
            asked = open_[message.receiver, message.sender, says["answered"]].pop(0)
            assert "" < message.at_utc >= asked.at_utc
            assert read(message)["MSH"][0][12] == read(asked)["MSH"][0][12]
            assert says["answer"] in ("AA", "AE", "AR")
            assert ("error" in says) == (says["answer"] != "AA" and "AR with text only" not in message.quirks)
        else:
            open_[message.sender, message.receiver, message.control_id].append(message)
    late = [message for messages in open_.values() for message in messages]
    assert all(message.at_utc >= "2025-04-07 05:29:55" for message in late)


def test_a_control_id_names_one_message_of_a_sender_save_those_sent_twice(h):
    met = collections.Counter((message.sender, message.receiver, message.control_id) for message in h.feed
                              if message.event != "ACK" and "sent twice" not in message.quirks)
    assert max(met.values()) == 1
    assert all(len(message.control_id) <= 20 for message in h.feed)


def test_a_message_sent_twice_has_the_same_bytes(h):
    sent = {}
    twice = 0
    for message in h.feed:
        key = (message.sender, message.receiver, message.control_id)
        if "sent twice" in message.quirks:
            twice += 1
            assert message.bytes == sent[key].bytes and message.at_utc > sent[key].at_utc
        sent[key] = message
    assert twice


def test_a_narrower_window_gives_the_same_messages(h):
    first, last = "2025-03-20 00:00:00", "2025-03-23 12:00:00"
    assert feed(h, first, last) == [message for message in h.feed if first <= message.at_utc < last]
    assert [message.at_utc for message in h.feed] == sorted(message.at_utc for message in h.feed)
    assert h.feed[0].at_utc >= "2025-03-08 05:30:00" and h.feed[-1].at_utc < "2025-04-07 05:30:00"


def test_a_text_is_what_its_sender_declares(h):
    accented = [message for message in h.feed if not message.bytes.isascii()]
    assert accented
    for message in accented:
        if not {"charset wrong"} & set(message.quirks):
            assert "\ufffd" not in message.text and not re.search("Ã[\x80-\xbf]", message.text)


def test_new_orders_are_those_of_the_database(h):
    told = collections.defaultdict(set)
    for message in h.feed:
        if message.receiver == "HV_PACS" and message.event == "ORM^O01":
            says = identifiers(message)
            told[says["accession"]].add((says["planned_study_uid"], says["placer_number"], says["procedure_code"]))
    rows = h.pacs.rows("SELECT accession, study_uid, placer_number, procedure_code FROM orders "
                       "WHERE ordered_utc >= '2025-03-08 06:00:00' AND ordered_utc < '2025-04-07 03:00:00'")[1]
    for accession, uid, placer, code in rows:
        assert told[accession] == {(uid, placer, code)}, accession


def test_reports_are_preliminary_final_or_corrected_and_in_that_order(h):
    rank, met = {"P": 0, "F": 1, "C": 2}, {}
    statuses = set()
    for message in h.feed:
        if message.event == "ORU^R01" and message.receiver == "HV_ENGINE":
            comp = message.bytes[4:5].decode()
            segments = read(message)
            placer, status = segments["OBR"][0][2].split(comp)[0], segments["OBR"][0][25]
            assert all(obx[11] == status for obx in segments["OBX"])
            assert rank[status] > rank.get(met.get(placer), -1) or status == met.get(placer) == "F"
            met[placer] = status
            statuses.add(status)
    assert {"P", "F"} <= statuses


def test_case_17_is_refused_by_the_archive_and_accepted_by_the_ris():
    h = hospital()
    facts = h.incidents[0].facts
    merges = [message for message in h.feed if message.event == "ADT^A40" and facts["temporary_id"] in message.text]
    assert [(message.sender, message.receiver) for message in merges] == [
        ("HIS", "HV_ENGINE"), ("HV_ENGINE", "HV_PACS"), ("HV_ENGINE", "RIS")]
    to_archive = merges[1].text
    assert "\rMRG|HVTMP0077^^^^MR\r" in to_archive and "\rMRG|HVTMP0077^^^HVGH&2.999.1.1&ISO^MR\r" in merges[0].text
    answers = {message.sender: message for message in h.feed if message.event == "ACK" and merges[0].control_id in message.text}
    assert answers["HV_PACS"].text.split("\r")[1:3] == [
        f"MSA|AE|{merges[0].control_id}", "ERR||MRG^1^1^1^4|204^Unknown key identifier^HL70357|E"]
    assert "\rMSA|AA|" in answers["RIS"].text and "\rMSA|AA|" in answers["HV_ENGINE"].text
    order = next(message for message in h.feed if message.event == "ORM^O01" and facts["accession"] in message.text)
    assert order.at_utc == "2025-03-30 01:22:10"
    segments = read(order)
    assert segments["MSH"][0][7] == "20250330032210+0200" and segments["OBR"][0][18] == "A2503300017"
    assert segments["ZDS"][0][1].split("^")[0] == "2.999.200.7.25033017"
    assert segments["PID"][0][5] == "UNKNOWN^FEMALE-77" and segments["PID"][0][7] == ""


# MSH-9.3 of HL7 v2.5.1 chapter 3, and which events may follow which in the course of a visit.
STRUCTURES = {"A01": "ADT_A01", "A02": "ADT_A02", "A03": "ADT_A03", "A04": "ADT_A01", "A05": "ADT_A05", "A06": "ADT_A06",
              "A07": "ADT_A06", "A08": "ADT_A01", "A11": "ADT_A09", "A12": "ADT_A12", "A13": "ADT_A01", "A28": "ADT_A05",
              "A31": "ADT_A05", "A40": "ADT_A39"}
FOLLOWS = {"A01": {None, "A05", "A11"}, "A04": {None}, "A05": {None}, "A06": {"A04"}, "A07": {"A01"}, "A11": {"A01", "A04"},
           "A02": {"A01", "A02", "A06", "A12"}, "A12": {"A02"}, "A13": {"A03"},
           "A03": {"A01", "A02", "A04", "A06", "A12", "A13"}}
UNDOES = {"A11": ("A01", "A04"), "A12": ("A02",), "A13": ("A03",)}


def his(h):
    """(trigger, segments) of what the HIS told the engine, in order of time."""
    return [(message.event[4:], read(message)) for message in h.feed
            if message.sender == "HIS" and message.receiver == "HV_ENGINE" and message.event.startswith("ADT")]


def movements(h):
    """The events of each visit without updates: visit number -> list of (trigger, segments)."""
    told = collections.defaultdict(list)
    for trigger, segments in his(h):
        pv1 = segments.get("PV1", [[""] * 3])[0]
        if len(pv1) > 19 and trigger != "A08":
            told[pv1[19].split("^")[0]].append((trigger, segments))
    return told


def field(segment, place):
    return segment[place] if len(segment) > place else ""


def local(stamp):
    return f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]} {stamp[8:10]}:{stamp[10:12]}:{stamp[12:14]}"


def test_every_event_of_a_busy_feed_occurs_with_its_structure():
    met = set()
    for trigger, segments in his(hospital()):
        assert segments["MSH"][0][9] == f"ADT^{trigger}^{STRUCTURES[trigger]}"
        met.add(trigger)
    assert met == STRUCTURES.keys()


@pytest.mark.parametrize("seed", (0, 1, 2))
def test_the_events_of_a_visit_follow_one_another_and_end_as_the_database_has_it(seed):
    h = hospital(seed, "tiny") if seed else hospital()
    rows = {row[0]: row[1:] for row in h.pacs.rows(
        "SELECT visit_number, class, location, admitted_local, discharged_local, p.pid FROM visit JOIN patient p "
        "ON p.pk = patient_pk WHERE admitted_local > '2025-02-01'")[1]}
    told = movements(h)
    compared = 0
    for number, events in told.items():
        state, begun = None, events[0][0] in ("A01", "A04", "A05")
        for trigger, segments in events:
            assert not begun or state in FOLLOWS[trigger], (number, [trigger for trigger, _ in events])
            state, begun = trigger, begun or trigger != "A03"
            pv1 = segments["PV1"][0]
            assert (pv1[2] == "P") == (trigger == "A05") == (field(pv1, 44) == "")
            assert (field(pv1, 45) != "") == (trigger == "A03")
        if number not in rows:
            assert [trigger for trigger, _ in events] == ["A04", "A11"] and re.fullmatch(r"V\d{8}", number)
            continue
        kind, location, admitted, discharged, _ = rows[number]
        last = events[-1][1]["PV1"][0]
        assert last[2] == kind and last[3].split("^")[0] == location and local(last[44]) == admitted
        assert (local(last[45]) if state == "A03" else None) == (discharged if kind != "O" else None)
        compared += 1
    assert compared > 30
    assert all(events[-1][0] != "A05" for events in told.values())


def test_a_registration_for_the_wrong_patient_leaves_nothing_behind():
    h = hospital()
    table = {row[0] for row in h.pacs.rows("SELECT visit_number FROM visit")[1]}
    wrong = {number: events for number, events in movements(h).items() if number not in table}
    assert len(wrong) > 3
    known = dict(h.pacs.rows("SELECT pid, created_utc FROM patient WHERE merged_into IS NULL")[1])
    for number, ((_, came), (_, gone)) in wrong.items():
        assert came["PID"] == gone["PID"] and gone["EVN"][0][6] == came["EVN"][0][2] == came["PV1"][0][44]
        assert known[came["PID"][0][3].split("^")[0]] < local(came["EVN"][0][2])
        said = [message.event for message in h.feed if number.encode() in message.bytes and message.event != "ACK"]
        assert sorted(said) == ["ADT^A04"] * 3 + ["ADT^A11"] * 3


def test_a_cancellation_names_the_instant_of_what_it_takes_back():
    taken_back = collections.Counter()
    for events in movements(hospital()).values():
        for (before, undone), (trigger, segments) in zip(events, events[1:]):
            if trigger in UNDOES:
                assert before in UNDOES[trigger]
                assert segments["EVN"][0][6] == undone["EVN"][0][2] < segments["EVN"][0][2]
                taken_back[trigger] += 1
            else:
                assert field(segments["EVN"][0], 6) == ""
    assert set(taken_back) == UNDOES.keys()


def test_class_and_place_change_from_what_they_were():
    classes = collections.Counter()
    for events in movements(hospital()).values():
        for (_, before), (trigger, segments) in zip(events, events[1:]):
            old, new = before["PV1"][0], segments["PV1"][0]
            if trigger in ("A02", "A06", "A07", "A12"):
                assert new[6] == old[3] != new[3]
                classes[trigger, old[2], new[2]] += 1
            if trigger == "A12":
                assert new[3] == old[6] and new[6] == old[3]
            # MRG would only name another account number, and the visit keeps its own (HL7 v2.5.1 3.3.6).
            assert "MRG" not in segments
    assert {("A06", "E", "I"), ("A07", "I", "O"), ("A02", "I", "I"), ("A12", "I", "I")} == set(classes)


def test_a_pre_admission_is_announced_days_before_for_a_patient_already_known():
    h, announced = hospital(), 0
    known = dict(h.pacs.rows("SELECT pid, created_utc FROM patient")[1])
    for events in movements(h).values():
        if events[0][0] == "A05":
            segments, begun = events[0][1], events[-1][1]["PV1"][0][44]
            expected, told = segments["PV2"][0][8], segments["EVN"][0][2]
            assert told[:8] < expected[:8] == begun[:8] and expected <= begun
            assert "09" <= told[8:10] < "16" and known[segments["PID"][0][3].split("^")[0]] < local(told)
            announced += 1
    assert announced >= 10


def test_orders_and_reports_say_of_the_patient_what_adt_last_said():
    stands, compared = {}, 0
    for message in hospital().feed:
        if message.event == "ACK" or message.receiver != "HV_ENGINE" or message.sender == "CARD":
            continue
        segments = read(message)
        pv1 = segments.get("PV1", [[]])[0]
        number = field(pv1, 19).split("^")[0]
        if message.event.startswith("ADT"):
            if number and message.event not in ("ADT^A05", "ADT^A11"):
                stands[number] = pv1[2], pv1[3].split("^")[0]
        elif number in stands and message.event != "OMI^O23":
            assert (pv1[2], pv1[3].split("^")[0]) == stands[number], message
            compared += 1
    assert compared > 1000


def test_an_appointment_is_made_before_it_is_moved_lengthened_or_cancelled():
    reasons = {"S12": "NEW", "S13": "MOVED", "S14": "LONGER", "S15": "CANCEL"}
    states, met = {}, collections.Counter()
    for message in hospital().feed:
        if message.event.startswith("SIU") and message.receiver == "EMR":
            trigger, segments = message.event[4:], read(message)
            sch, ais = segments["SCH"][0], segments["AIS"][0]
            placer, timing = sch[1], sch[11].split("^")
            assert sch[6].split("^")[0] == reasons[trigger] and sch[25] == ("Cancelled" if trigger == "S15" else "Booked")
            assert ais[2] == {"S12": "A", "S15": ""}.get(trigger, "U") == field(segments["RGS"][0], 2)
            assert timing[2] == f"M{ais[7]}" and ais[7] == ("45" if trigger == "S14" else "30") and ais[4] == timing[3]
            before = states.get(placer)
            if trigger == "S12":
                assert before is None
            elif before:
                assert (before[3] != timing[3]) == (trigger == "S13")
                assert trigger != "S14" or before[4] < timing[4]
                met[trigger] += 1
            states[placer] = timing
    assert met["S13"] > 3 and met["S14"] > 5 and met["S15"] > 5


@pytest.mark.parametrize("seed", (0, 1, 2))
def test_batches_hold_the_day_s_adt_and_count_it_right_save_in_one_night(seed):
    h = hospital(seed, "tiny") if seed else hospital()
    files = batches(h)
    assert len(files) == 29 and files[0].name == "ADT20250309.hl7" and files[-1].at_utc == "2025-04-06 22:30:00"
    sent = {}
    for message in h.feed:
        if message.sender == "HIS" and message.receiver == "HV_ENGINE":
            stamp = read(message)["MSH"][0][7]
            sent.setdefault(stamp[:8], {})[message.control_id] = message.text.split("\r", 1)[1]
    wrong = []
    for one in files:
        day, lines = one.name[3:11], one.text.split("\r")
        assert lines[0].startswith("FHS|^~\\&|HIS|HVGH|NMH_MPI|NMH|") and lines[-2] == "FTS|2" and lines[-1] == ""
        parts = one.text.split("\rBHS|")[1:]
        held = {}
        for part, kind in zip(parts, ("ENCOUNTERS", "PERSONS"), strict=True):
            assert part.split("|")[7] == kind
            messages = part.split("\rBTS|")[0].split("\rMSH|")[1:]
            for text in messages:
                held[text.split("|")[8]] = text.split("\r", 1)[1] + "\r"
                assert (text.split("|")[7][4:7] in ("A28", "A31", "A40")) == (kind == "PERSONS")
            count = int(part.split("\rBTS|")[1].split("\r")[0])
            if count != len(messages):
                wrong.append((one, count - len(messages)))
        missing = sent.get(day, {}).keys() - held.keys()
        assert held == {key: text for key, text in sent.get(day, {}).items() if key not in missing}
        assert len(missing) == ("batch count wrong" in one.quirks) == QUIRKS["batch count wrong"].shows(one.text.encode())
    (short, lacking), = wrong
    assert lacking == 1 and short.quirks == ("batch count wrong",)
    assert batches(h, "2025-03-20 00:00:00", "2025-03-22 00:00:00") == [
        one for one in files if "2025-03-20" <= one.at_utc < "2025-03-22"] != []


def test_python_hl7_reads_a_file_of_batches():
    import hl7
    for one in batches(hospital(1, "tiny")):
        parsed = hl7.parse_file(one.text)
        assert str(parsed.trailer[1]) == str(len(parsed)) == "2"
        counts = [int(str(batch.trailer[1])) - len(batch) for batch in parsed]
        assert counts == ([1, 0] if one.quirks else [0, 0])


@pytest.mark.parametrize("seed", (0, 1, 2, 3))
def test_the_messages_without_end_block_are_those_of_the_feed(seed):
    from coursekit.standards import pcap
    h = hospital(seed, "tiny") if seed else hospital()
    shown, order = h.capture("mllp_no_end"), unended(h)
    by_id = {message.control_id: message for message in h.feed if "RIS" in (message.sender, message.receiver)
             and "HV_ENGINE" in (message.sender, message.receiver)}
    first, *attempts = pcap.connections(pcap.packets(shown.packets))
    asked, answered = (stream.data for stream in first.sent)
    whole = {message.bytes for message in by_id.values()}
    assert asked[1:-2] in whole and answered[1:-2] in whole
    late = by_id[shown.truth["facts"]["control_id"]]
    assert shown.truth["facts"]["accession"] == order.accession == identifiers(late)["accession"]
    assert [talk.sent[0].data for talk in attempts] == [b"\x0b" + late.bytes + b"\r"] * 3
    assert all(talk.sent[1].data == b"" for talk in attempts)
    # It arrives when the attempts are over, with the time at which it was written.
    last = max(packet.time for packet in pcap.packets(shown.packets)) // 1_000_000
    from coursekit.hospital.clock import seconds
    assert order.ordered + 90 < last < seconds(late.at_utc) == order.ordered + 150
    assert by_id["K" + late.control_id].at_utc > late.at_utc and late.quirks == ()


def test_names_change_the_order_of_prefix_and_suffix():
    from coursekit.hospital.feed import xpn
    assert xpn("WESTERHOF^TJITSKE^^DR^MD") == "WESTERHOF^TJITSKE^^MD^DR"
    assert xpn("O&K^A") == "O\\T\\K^A"
