"""The feed's messages, judged by parsers that we did not write, and compared with the database."""

import collections
import re
import tempfile

import pytest

from coursekit.hospital import hospital
from coursekit.hospital.feed import feed, identifiers, read
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
    hl7apy = pytest.importorskip("hl7apy.parser", reason="hl7apy judges the messages; it is not installed here")
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
    hl7 = pytest.importorskip("hl7", reason="python-hl7 judges the messages; it is not installed here")
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
    assert met == QUIRKS.keys()


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


def test_names_change_the_order_of_prefix_and_suffix():
    from coursekit.hospital.feed import xpn
    assert xpn("WESTERHOF^TJITSKE^^DR^MD") == "WESTERHOF^TJITSKE^^MD^DR"
    assert xpn("O&K^A") == "O\\T\\K^A"
