"""What learners give in lesson cpia-02 beyond the solutions and wrong ways, and the tapes that they are asked about."""

import random
import re
import shutil
import subprocess

import numpy
import pandas
import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.lessons import cpia_02_network_sniffer as module
from coursekit.lessons.cpia_02_network_sniffer import lesson
from coursekit.standards import pcap
from coursekit.standards import upper_layer as ul
from coursekit.standards.sniffer import Sniffer

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}
TAPES = [("AtTheDoor", "doors", module.DOORS), ("OnTheWire", "wires", module.WIRES), ("InTheMessages", "words", module.WORDS)]
CAUSES = {      # capture -> the letter that its truth asks for
    "called_aet": "b", "local_limit": "c", "abstract_syntax": "d", "ct_mwl": "a", "max_pdu": "g", "mg_ctx": "e", "accept_abort": "f",
    "mr_idle": "b", "zero_window": "f", "no_answer": "g", "mtu": "d", "us_dup": "a", "tls": "h", "duplex": "e", "ids_rst": "c",
    "status_b000": "c", "worklist_empty": "e", "move_unknown": "d", "status_a900": "b", "mllp_a40": "f", "status_a700": "a",
}


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"), lambda: [hospital(201, "tiny")])


def solved(name, editions):
    return EXERCISES[name].computed(EXERCISES[name].solution, editions.own)


def judged(name, editions, *given):
    return EXERCISES[name].judge(given, editions)


# --- the tapes

@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("name", "given", "captures"), TAPES)
def test_the_solution_finds_the_cause_and_the_frames_of_the_truth(seed, name, given, captures):
    h = hospital(seed, "tiny")
    said = EXERCISES[name].computed(EXERCISES[name].solution, h)
    for (cause, frames), capture in zip(said.values(), captures, strict=True):
        truth = h.capture(capture).truth
        assert cause == CAUSES[capture], capture
        # of a query that found nothing, and of a message that was refused, the truth names the question too
        asked_too = capture in ("worklist_empty", "mllp_a40") and truth["frames"][-1:] == frames
        assert set(truth["frames"]) <= set(frames) or asked_too, capture


@pytest.mark.parametrize(("name", "given", "captures"), TAPES)
def test_every_frame_that_proves_a_cause_is_taken_alone(editions, name, given, captures):
    said = solved(name, editions)
    for tape, (cause, frames) in said.items():
        for frame in frames:
            assert judged(name, editions, {**said, tape: (cause, frame)}).correct, (tape, frame)


@pytest.mark.parametrize(("name", "given", "captures"), TAPES)
def test_no_other_frame_proves_a_cause(editions, name, given, captures):
    said, tapes = solved(name, editions), lesson.input_of(given, editions.own)
    for tape, (cause, frames) in said.items():
        for frame in set(range(0, min(len(tapes[tape].packets), 60) + 2)) - set(frames):
            verdict = judged(name, editions, {**said, tape: (cause, frame)})
            message = verdict.message.casefold()
            told = "the cause fits" in message or "the cause is right" in message
            assert verdict.outcome is Outcome.NOT_YET and told, (tape, frame, verdict)


def test_a_diagnosis_in_the_forms_that_people_write(editions):
    said = solved("AtTheDoor", editions)
    for form in (lambda c, f: f"{c} {f}", lambda c, f: f"{c.upper()}, {f}", lambda c, f: [c, numpy.int64(f)],
                 lambda c, f: (f"{c})", f"frame {f}"), lambda c, f: {"frame": f, "Cause": c}, lambda c, f: (c, [f]),
                 lambda c, f: f"({c}, {f})", lambda c, f: (c, float(f)), lambda c, f: f"{c}: frame {f}", lambda c, f: (c, str(f)),
                 lambda c, f: f"{c}{f}", lambda c, f: f"{c}-{f}", lambda c, f: (f, c), lambda c, f: [f"{c} {f}"]):
        given = {name: form(cause, frames[0]) for name, (cause, frames) in said.items()}
        assert judged("AtTheDoor", editions, given).correct, given
    assert judged("AtTheDoor", editions, said | {"tape 1": ("b", "5 and 14")}).correct
    assert judged("AtTheDoor", editions, [(cause, frames[0]) for cause, frames in said.values()]).correct
    assert judged("AtTheDoor", editions, tuple(f"{cause}{frames[0]}" for cause, frames in said.values())).correct
    assert judged("AtTheDoor", editions, {name.replace(" ", "_").upper(): pair for name, pair in said.items()}).correct


@pytest.mark.parametrize(("given", "says"), [
    (("b", "any"), "which frame shows it"), (("b", []), "which frame shows it"), (("b", [5, 4]), "not frame 4"), (("b", 999), "31 frames"),
    ("b", "no number of a frame"), (("b",), "no number of a frame"), (5, "takes"), (("z", 5), "no letter"), ("z5", "no letter"),
    (("b", "five"), "no number of a frame"), (("b", 5.5), "no number"), (("b", None), "which frame shows it"), (("b", True), "no number"),
    ("beef 5", "no letter"),
])
def test_a_diagnosis_that_cannot_be_right(editions, given, says):
    verdict = judged("AtTheDoor", editions, {**solved("AtTheDoor", editions), "tape 1": given})
    assert verdict.outcome is Outcome.NOT_YET, given
    assert says in verdict.message.casefold() or says == "takes" and verdict.label == "unreadable", verdict


def test_what_a_frame_is_that_proves_nothing(editions):
    def told(name, tape, cause, frame):
        return judged(name, editions, {**solved(name, editions), tape: (cause, frame)}).message

    arrived = next(packet.number for packet in lesson.input_of("wires", editions.own)["tape 14"].packets if len(packet.payload) == 1460)
    assert arrived not in dict(solved("OnTheWire", editions))["tape 14"][1]
    assert "P-DATA-TF from IO_DENT1. It has arrived" in told("OnTheWire", "tape 14", "e", arrived)
    assert "carries nothing" in told("OnTheWire", "tape 8", "b", 1)
    assert "also that nothing is wrong" in " ".join(EXERCISES["InTheMessages"].question.split())
    assert "the answer that came" in told("InTheMessages", "tape 17", "e", None)
    assert "ADT^A40 from HV_ENGINE: that is the question" in told("InTheMessages", "tape 20", "f", 4)
    assert "C-MOVE-RQ from WS_ED1: that is the question" in told("InTheMessages", "tape 18", "d", 13)
    assert "A-ASSOCIATE-RQ from CTER01: that is the question" in told("AtTheDoor", "tape 4", "a", 4)
    assert "is the question" not in told("OnTheWire", "tape 11", "d", 19)


def test_of_a_lost_segment_the_first_sending_counts_on_both_tapes(editions):
    said = solved("OnTheWire", editions)
    for tape in ("tape 11", "tape 14"):
        odd = lesson.input_of("wires", editions.own)[tape].oddities
        first = {int(detail.split()[-1]) for detail in odd[odd["what"] == "sent again"]["detail"]}
        assert first and first <= set(said[tape][1]), tape


def test_solutions_show_the_answers():
    for exercise in (EXERCISES["WhoEndedIt"], *(EXERCISES[name] for name, _, _ in TAPES)):
        text = exercise.solution_text()
        assert text.count('("') + text.count('": "') >= 6 and exercise.answer.variables[0] + " = {\n" in text


@pytest.mark.parametrize("seed", range(10))
def test_the_frames_that_a_solution_names_prove_the_cause_in_every_edition(seed):
    named = 0
    for name, _, captures in TAPES:
        exercise = EXERCISES[name]
        said, text = exercise.computed(exercise.solution, hospital(seed, "tiny")), exercise.solution_text()
        for line, after in zip(text.splitlines(), [*text.splitlines()[1:], ""]):
            found = re.search(r"# frames? (\d+)(?: (?:and|to) (\d+))?", line)
            tape = re.search(r'"(tape \d+)": \(', line + after)
            if found:
                assert {int(number) for number in found.groups() if number} <= set(said[tape[1]][1]), line
                named += 1
    assert named == 15


def test_on_the_tape_of_the_large_packets_every_small_one_is_confirmed():
    for seed in range(6):
        tape = lesson.input_of("wires", hospital(seed, "tiny"))["tape 11"]
        for packet in tape.packets:
            assert not packet.payload or module._confirmed(tape, packet) == (len(packet.payload) < 1400), (seed, packet.number)


@pytest.mark.parametrize(("name", "tape", "given", "says", "not_says"), [
    ("AtTheDoor", "tape 1", ("b", 22), "A-ASSOCIATE-RQ from WS_CH1 in another connection than those that fail: this one was granted", ""),
    ("AtTheDoor", "tape 1", ("b", 23), "A-ASSOCIATE-AC from HV_PACS. It says: 1 of 1 presentation context accepted", "has arrived"),
    ("AtTheDoor", "tape 1", ("b", 27), "A-RELEASE-RP from HV_PACS", "has arrived"),
    ("AtTheDoor", "tape 5", ("g", 6), "of length 116, which is no longer than the other side takes", "the question"),
    ("InTheMessages", "tape 18", ("d", 9), "C-FIND-RSP from HV_PACS, status FF00: Pending", "has arrived"),
    ("InTheMessages", "tape 18", ("d", 12), "C-FIND-RSP from HV_PACS, status 0000: Success", "has arrived"),
    ("AtTheDoor", "tape 1", ("b", ...), "still open", "Ellipsis"),
    ("AtTheDoor", "tape 6", ("g", 38), "its protocol software would say so: an A-ABORT with source 2", ""),
    ("OnTheWire", "tape 8", ("b", 18), "silence alone harms nobody", "followed from the cause"),
])
def test_a_frame_that_proves_nothing_is_told_what_it_is(editions, name, tape, given, says, not_says):
    message = judged(name, editions, {**solved(name, editions), tape: given}).message
    assert says in message and (not not_says or not_says not in message), message


def test_frames_that_went_to_the_wrong_station_show_the_double_address_and_every_row_of_one_byte_counts(editions):
    said, wires = solved("OnTheWire", editions), lesson.input_of("wires", editions.own)
    assert judged("OnTheWire", editions, {**said, "tape 12": ("a", [34, 36, 39])}).correct
    odd = wires["tape 9"].oddities
    full = next(frame for frame in odd[odd["what"] == "sent again"]["frame"] if len(wires["tape 9"].packets[frame - 1].payload) > 1)
    assert judged("OnTheWire", editions, {**said, "tape 9": ("f", list(odd["frame"]))}).correct and full in list(odd["frame"])


def test_the_question_of_the_connection_that_fails_is_told_as_the_question(editions):
    verdict = judged("AtTheDoor", editions, {**solved("AtTheDoor", editions), "tape 1": ("b", 4)})
    assert verdict.label == "the_questions" and "the request" in verdict.message


def test_no_ticket_names_another_time_of_day_than_its_tape(editions):
    assert "Sunday night" not in lesson.input_of("doors", editions.own)["tape 4"].ticket
    assert lesson.input_of("doors", editions.own)["tape 4"].conversations["utc"][0].startswith("2025-03-30 01:")     # a Sunday, UTC
    ticket = lesson.input_of("wires", editions.own)["tape 8"].ticket
    assert "lunch" not in ticket and "lunch" in editions.own.capture("mr_idle").ticket


@pytest.mark.parametrize(("name", "tape", "given", "label"), [
    ("AtTheDoor", "tape 4", ("b", 5), "seven_for_three"), ("AtTheDoor", "tape 1", ("a", 4), "three_for_seven"),
    ("AtTheDoor", "tape 2", ("i", 1), "a_limit_is_the_network"), ("AtTheDoor", "tape 3", ("e", 5), "abstract_as_transfer"),
    ("AtTheDoor", "tape 5", ("f", 42), "every_abort_is_the_program"), ("OnTheWire", "tape 8", ("c", 19), "idle_is_the_intruder"),
    ("OnTheWire", "tape 9", ("j", 112), "stuck_is_thinking"), ("OnTheWire", "tape 11", ("e", 30), "size_is_the_line"),
    ("OnTheWire", "tape 12", ("c", 37), "printer_is_the_intruder"), ("OnTheWire", "tape 13", ("h", 5), "tls_by_its_abort"),
    ("OnTheWire", "tape 15", ("b", 64), "intruder_is_idle"), ("InTheMessages", "tape 16", ("b", 17), "warning_is_a_failure"),
    ("InTheMessages", "tape 17", ("g", 6), "empty_is_the_network"), ("InTheMessages", "tape 20", ("e", 6), "answered_is_well"),
])
def test_one_wrong_diagnosis_among_right_ones_is_told(editions, name, tape, given, label):
    assert judged(name, editions, {**solved(name, editions), tape: given}).label == label


def test_tshark_finds_the_same_in_the_tape_of_the_day(editions, tmp_path):
    if not shutil.which("tshark"):
        pytest.skip("tshark is not installed")
    path = tmp_path / "day.pcap"
    path.write_bytes(pcap.write(module._day_scene(editions.own).tap.frames()))
    calls = lesson.input_of("calls", editions.own)
    wanted = {EXERCISES["FilterForTheNight"].solution(): ((calls["server"] == "HV_PACS") & calls["detail"].str.startswith("2/3/2")).sum(),
              "dicom.assoc.reject": (calls["pdu"] == "A-ASSOCIATE-RJ").sum(),
              "dicom.pdu.type == 2": (calls["pdu"] == "A-ASSOCIATE-AC").sum()}
    for text, count in wanted.items():
        ports = [word for port in (11112, 11113, 11115) for word in ("-d", f"tcp.port=={port},dicom")]
        ran = subprocess.run(["tshark", "-r", path, *ports, "-Y", text, "-T", "fields", "-e", "frame.number"],
                             capture_output=True, text=True, timeout=60)
        assert len(ran.stdout.split()) == count, text


# --- who ended it

def test_who_ended_it_in_other_forms(editions):
    right = solved("WhoEndedIt", editions)
    assert judged("WhoEndedIt", editions, list(right.values())).correct
    assert judged("WhoEndedIt", editions, {name: f" {letter.upper()}) " for name, letter in right.items()}).correct
    assert judged("WhoEndedIt", editions, pandas.Series(right)).correct
    assert judged("WhoEndedIt", editions, {name: f"{letter}: the called program" for name, letter in right.items()}).correct
    assert judged("WhoEndedIt", editions, dict(reversed(right.items()))).correct
    for text in ("".join(right.values()), ", ".join(right.values()).upper(), " ".join(right.values())):
        assert judged("WhoEndedIt", editions, text).correct, text
    for name in right:
        assert judged("WhoEndedIt", editions, {**right, name: module.DECIDED[right[name]]}).correct
    assert judged("WhoEndedIt", editions, {**right, "ending 1": "Called program", "ending 4": "Something on the way."}).correct
    for text in ("becdbc", "bec dbccx", "beczbcc", "b"):
        assert judged("WhoEndedIt", editions, text).outcome is Outcome.NOT_YET, text


@pytest.mark.parametrize("seed", range(6))
def test_who_ended_it_is_what_the_frames_say(seed):
    h = hospital(seed, "tiny")
    said = {}
    for name, ending in lesson.input_of("endings", h).items():
        text = str(ending)
        source = text.partition("source ")[2][:1]
        said[name] = ({"1": "b", "2": "c", "3": "c"}[source] if "A-ASSOCIATE-RJ" in text else {"0": "b", "2": "c"}[source]
                      if "A-ABORT" in text else "e" if "A-RELEASE-RP" in text else "d" if "earlier frames" in text else "c")
    assert EXERCISES["WhoEndedIt"].computed(EXERCISES["WhoEndedIt"].solution, h) == said


@pytest.mark.parametrize(("ending", "letter", "label"), [
    (1, "a", "abort_of_the_caller"), (2, "a", "released_by_the_caller"), (3, "b", "limit_of_the_program"), (4, "b", "reset_of_the_called"),
    (5, "a", "user_is_the_caller"), (6, "e", "fin_is_a_release"), (6, "a", "late_caller"), (7, "b", "every_abort_is_the_program"),
    (3, "d", "remark"),
])
def test_one_wrong_ending_is_told(editions, ending, letter, label):
    verdict = judged("WhoEndedIt", editions, {**solved("WhoEndedIt", editions), f"ending {ending}": letter})
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict


# --- the parser

def split_of_the_library(segments):
    stream = module.joined(segments)
    return [{"TYPE": octets[0], "values": len(ul.decode(octets).values) if octets[0] == 4 else 0, "Length": len(octets) - 6}
            for octets in ul.split(stream)[0]]


def with_a_dictionary(segments):
    at, have = 0, {}
    for position, octets in segments:
        for number, octet in enumerate(octets):
            have[position + number] = octet
    found = []
    while all(at + number in have for number in range(6)):
        length = sum(have[at + 2 + number] << 8 * (3 - number) for number in range(4))
        if any(at + 6 + number not in have for number in range(length)):
            break
        content = bytes(have[at + 6 + number] for number in range(length))
        values = 0
        while have[at] == 4 and content:
            content = content[4 + int.from_bytes(content[:4], "big"):]
            values += 1
        found.append((numpy.uint8(have[at]), length, values))
        at += 6 + length
    return found


def as_a_table(segments):
    return pandas.DataFrame(split_of_the_library(segments))


@pytest.mark.parametrize("function", [split_of_the_library, with_a_dictionary, as_a_table])
def test_other_peoples_parsers_are_right(editions, function):
    verdict = judged("PdusOfAStream", editions, function)
    assert verdict.correct, verdict


def four_at_most(segments):
    return module._walked(module.joined(segments))[:4]


def naive(segments):
    """The commonest first try: as long as there are bytes, and no look whether the end is there."""
    stream, found, at = module.joined(segments), [], 0
    while at < len(stream):
        length = int.from_bytes(stream[at + 2:at + 6], "big")
        values, place = 0, at + 6
        while stream[at] == 4 and place < at + 6 + length:
            place += 4 + int.from_bytes(stream[place:place + 4], "big")
            values += 1
        found.append({"type": stream[at], "length": length, "values": values})
        at += 6 + length
    return found


def breaks_at_equal(segments):
    stream, found, at = module.joined(segments), [], 0
    while at + 6 <= len(stream):
        length = int.from_bytes(stream[at + 2:at + 6], "big")
        if at + 6 + length >= len(stream):
            break
        values = module._values(stream[at + 6:at + 6 + length]) if stream[at] == 4 else 0
        found.append({"type": stream[at], "length": length, "values": values})
        at += 6 + length
    return found


def a_colleagues_script(segments):
    """Each segment by itself."""
    found = []
    for _, octets in segments:
        at = 0
        while at + 6 <= len(octets):
            length = int.from_bytes(octets[at + 2:at + 6], "big")
            if at + 6 + length > len(octets):
                break
            values = module._values(octets[at + 6:at + 6 + length]) if octets[at] == 4 else 0
            found.append({"type": octets[at], "length": length, "values": values})
            at += 6 + length
    return found


def a_script_without_a_break(segments):
    found = []
    for _, octets in sorted(segments):
        found.append({"type": octets[0], "length": len(octets), "values": 1})
    return found


def backwards(segments):
    return module._walked(module.joined(segments))[::-1]


def without_p_data(segments):
    return [pdu for pdu in module._walked(module.joined(segments)) if pdu["type"] != 4]


def values_as_pdus(segments):
    return [pdu | {"values": pdu["values"] and 1} for pdu in module._walked(module.joined(segments)) for _ in range(max(pdu["values"], 1))]


def with_own_joiner(segments, overlap=True):
    stream = b""
    for position, octets in sorted(segments):
        if position > len(stream):
            break
        if position == len(stream) or overlap:
            stream += octets[len(stream) - position:]
    return module._walked(stream)


def with_lengths_from(first, value_first=0):
    """A parser that reads the bytes of a length from `first`, those of a value's from `value_first`."""
    def pdus(segments):
        stream, found, at = module.joined(segments), [], 0
        while at + 6 <= len(stream):
            length = int.from_bytes(stream[at + first:at + 6], "big")
            if at + 6 + length > len(stream):
                break
            values, place = 0, at + 6
            while stream[at] == 4 and place < at + 6 + length:
                place += 4 + int.from_bytes(stream[place + value_first:place + 4], "big")
                values += 1
            found.append({"type": stream[at], "length": length, "values": values})
            at += 6 + length
        return found
    return pdus


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("parser", "label"), [
    (with_own_joiner, "correct"), (with_lengths_from(2), "correct"), (with_lengths_from(4), "last_two_bytes_of_length"),
    (with_lengths_from(3), "last_three_bytes_of_length"), (with_lengths_from(2, 2), "last_two_bytes_of_a_value"),
])
def test_lengths_are_read_with_all_their_bytes(seed, parser, label):
    verdict = judged("PdusOfAStream", Editions(hospital(seed, "tiny"), lambda: []), parser)
    assert verdict.label == label, verdict


def slipping(header=6, more=0, inner=0, smallest=0, reserved=None, first=2, most=None, start=6):
    """A parser with one slip in the rules for an end, a value or the reserved byte."""
    def pdus(segments):
        stream, found, at = module.joined(segments), [], 0
        while at + 6 <= len(stream):
            length = int.from_bytes(stream[at + first:at + 6], "big")
            if at + header + length > len(stream) + more or most and length > most or reserved is not None and stream[at + 1] != reserved:
                break
            end, place, values = at + 6 + length, at + start, 0
            while stream[at] == 4 and place + inner < end:
                item = int.from_bytes(stream[place:place + 4], "big")
                values += item > smallest
                place += 4 + item
            found.append({"type": stream[at], "length": length, "values": values})
            at = end
        return found
    return pdus


@pytest.mark.parametrize("seed", [0, 3])
@pytest.mark.parametrize("slip", [{"header": 0}, {"more": 1}, {"more": 5}, {"inner": 6}, {"inner": 8}, {"smallest": 2}, {"reserved": 0},
                                  {"first": 1}, {"most": 131_072}, {"start": 7}], ids=str)
def test_small_slips_of_a_parser_are_caught(seed, slip):
    here = Editions(hospital(seed, "tiny"), lambda: [])
    assert judged("PdusOfAStream", here, slipping()).correct
    verdict = judged("PdusOfAStream", here, slipping(**slip))
    assert verdict.outcome is Outcome.NOT_YET, slip
    assert "start" not in slip or "You count" not in verdict.message, verdict


def test_what_is_no_list_of_dictionaries_with_three_entries_is_told_so(editions):
    def told(change):
        return judged("PdusOfAStream", editions, lambda segments: change(module._walked(module.joined(segments)))).message

    assert "one dictionary, and no list" in told(lambda pdus: pdus[0])
    assert "an entry `at`, which was not asked for" in told(lambda pdus: [pdu | {"at": 0} for pdu in pdus])
    assert "`length` is missing" in told(lambda pdus: [{"type": pdu["type"], "values": 0} for pdu in pdus])
    assert "Does your `return` stand inside the loop?" in told(lambda pdus: pdus[:1])


def endless(segments):
    while True:
        pass


@pytest.mark.parametrize(("function", "label"), [
    (four_at_most, "value"), (backwards, "value"), (without_p_data, "value"), (values_as_pdus, "value"), (endless, "time"),
    (naive, "to_the_last_byte"), (breaks_at_equal, "exact_end_is_cut_short"),
    (a_colleagues_script, "each_segment_by_itself"), (a_script_without_a_break, "value"),
    (lambda segments: [None], "unreadable"), (lambda segments: [], "low_byte_first"), (lambda segments: len(segments), "unreadable"),
    (lambda segments: segments[100], "error"),
    (lambda segments: module._walked(module.joined(segments))[:1], "header_forgotten"),
    (lambda segments: module._walked(module.joined(segments))[0], "unreadable"),
    (lambda segments: [pdu | {"at": 0} for pdu in module._walked(module.joined(segments))], "unreadable"),
    (lambda segments: [{"type": pdu["type"]} for pdu in module._walked(module.joined(segments))], "unreadable"),
    (lambda segments: with_own_joiner(segments, overlap=False), "overlap_dropped"),
])
def test_parsers_that_look_right_and_are_not(editions, function, label):
    verdict = judged("PdusOfAStream", editions, function)
    assert verdict.label == label, verdict
    assert "\\x" not in verdict.message, "no wall of bytes"


def test_a_wrong_parser_is_told_in_numbers_and_not_in_bytes(editions):
    message = judged("PdusOfAStream", editions, four_at_most).message
    assert "a stream in 66 segments, 74," in message and "fewer than there are" in message, message
    strange = judged("PdusOfAStream", editions, a_script_without_a_break).message
    assert "there are only 1 to 7" in strange, strange
    for values in range(3):                                             # of what is cut short anything may be said
        cut = judged("PdusOfAStream", editions, lambda segments, values=values: [
            pdu | {"values": pdu["values"] if number < len(module._walked(module.joined(segments))) else values + 5}
            for number, pdu in enumerate(naive(segments))])
        assert "After the last whole PDU your list goes on" in cut.message, cut
    stopped = judged("PdusOfAStream", editions, lambda segments: segments[100]).message
    assert stopped.startswith("For a stream in 66 segments"), stopped


def test_the_cases_of_the_parser_hold_what_the_question_promises():
    for seed in range(10):
        h = hospital(seed, "tiny")
        cases = [case[0] for case in EXERCISES["PdusOfAStream"].cases_on(h)]
        kinds = {"out of order": any(case != sorted(case) for case in cases),
                 "sent twice": any(sum(len(octets) for _, octets in case) > len(module.joined(case)) for case in cases)}
        said = [module._walked(module.joined(case)) for case in cases]
        kinds["several values"] = any(pdu["values"] > 1 for pdus in said for pdu in pdus)
        kinds["cut short"] = any(sum(6 + pdu["length"] for pdu in pdus) < len(module.joined(case)) for pdus, case in zip(said, cases))
        kinds["a hole"] = any(len(module.joined(case)) < max(position + len(octets) for position, octets in case) for case in cases)
        kinds["several in a segment"] = any(len(pdus) > 2 * len(case) for pdus, case in zip(said, cases))
        assert all(kinds.values()), (seed, kinds)


# --- the day

def test_the_pattern_is_the_same_in_every_edition_and_never_the_busiest_hour():
    for seed in range(10):
        calls = lesson.input_of("calls", hospital(seed, "tiny"))
        pattern = EXERCISES["TheRandomPattern"].solution(calls)
        assert list(pattern["hour"]) == [7, 15] and (pattern["full"] > 2).all(), seed
        assert module._pattern(calls, least=0).nlargest(1, "asked")["hour"].iloc[0] == 10


def test_the_pattern_in_other_forms(editions):
    right = solved("TheRandomPattern", editions)
    rows = [tuple(map(int, row)) for row in right.itertuples(index=False)]
    for given in (right.set_index("hour"), right[["full", "hour", "asked"]], rows, {hour: rest for hour, *rest in rows}, right.iloc[::-1],
                  [dict(zip(("Hour", "Asked", "Full"), map(str, row))) for row in rows], right.astype(float),
                  *([(hour.format(row[0]), *row[1:]) for row in rows] for hour in ("{:02}", "{:02}:00", "{} h")),
                  [(f"{hour % 12} {'am' if hour < 12 else 'PM'}", *rest) for hour, *rest in rows]):
        assert judged("TheRandomPattern", editions, given).correct, given


def test_the_pattern_counted_in_another_way(editions):
    calls, found = lesson.input_of("calls", editions.own), {}
    for row in calls.to_dict("records"):
        if row["server"] == "HV_PACS":
            hour = (int(row["utc"][11:13]) + 2) % 24
            asked, full = found.get(hour, (0, 0))
            found[hour] = asked + 1, full + ("local limit" in row["detail"])
    given = [{"hour": hour, "asked": asked, "full": full} for hour, (asked, full) in found.items() if full]
    assert judged("TheRandomPattern", editions, given).correct


@pytest.mark.parametrize("change", [
    lambda table: table.assign(full=table["full"] + 1), lambda table: table.head(1), lambda table: table.assign(hour=table["hour"] + 12),
    lambda table: table.assign(asked=table["asked"] - table["full"]), lambda table: table[["hour", "full"]],
])
def test_patterns_that_are_not_right(editions, change):
    assert judged("TheRandomPattern", editions, change(solved("TheRandomPattern", editions))).outcome is Outcome.NOT_YET


def counted_by_hand(calls, full=lambda row: row["detail"].startswith("2/3/2"), asked=lambda row: True, hours=2, servers=("HV_PACS",),
                    least=1):
    mine = calls[calls["server"].isin(servers)].copy()
    mine["hour"] = (pandas.to_datetime(mine["utc"]) + pandas.Timedelta(hours=hours)).dt.hour
    mine["full"], mine["asked"] = mine.apply(full, axis=1), mine.apply(asked, axis=1)
    table = mine.groupby("hour").agg(asked=("asked", "sum"), full=("full", "sum")).reset_index()
    return table[table["full"] >= least]


@pytest.mark.parametrize(("more", "label", "says"), [
    ({"least": 0}, "all_hours", "`full` is 0"),
    ({"full": lambda row: row["detail"].startswith("2/3/1")}, "congestion_alone", "temporary congestion"),
    ({"full": lambda row: row["pdu"] == "A-ASSOCIATE-RJ"}, "every_rejection", "every rejection"),
    ({"servers": ("HV_PACS", "HV_MWL", "HV_VNA")}, "of_all_servers", "all servers"),
    ({"asked": lambda row: row["client"] != "PX_DENT1"}, "without_the_forgotten_one", "forgotten device"),
    ({"asked": lambda row: row["pdu"] == "A-ASSOCIATE-RJ"}, "rejected_only", "accepted had asked"),
    ({"asked": lambda row: row["detail"].startswith("2/3/2")}, "asked_is_full", "are the same in your table"),
    ({"asked": lambda row: not row["detail"].startswith("2/3/2")}, "without_the_full", "rejected for the limit. They had asked"),
    ({"asked": lambda row: row["pdu"] == "A-ASSOCIATE-AC"}, "accepted_only", "counted what was accepted"),
    ({"least": 0, "hours": 0}, "in_utc", "More than one thing"),
    ({"least": 0, "full": lambda row: row["detail"].startswith("2/")}, "every_transient_one", "More than one thing"),
    ({"hours": 0, "full": lambda row: row["pdu"] == "A-ASSOCIATE-RJ"}, "in_utc", "hours of UTC"),
    ({"full": lambda row: row["detail"].startswith("2/3/1"), "hours": 0}, "in_utc", "More than one thing"),
])
def test_a_count_that_is_wrong_is_told_what_is_wrong_with_it(editions, more, label, says):
    verdict = judged("TheRandomPattern", editions, counted_by_hand(lesson.input_of("calls", editions.own), **more))
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label and says in verdict.message, verdict


def test_asked_by_the_hours_of_utc_is_told(editions):
    mine = lesson.input_of("calls", editions.own)
    by_utc = pandas.to_datetime(mine[mine["server"] == "HV_PACS"]["utc"]).dt.hour.value_counts()
    table = solved("TheRandomPattern", editions)
    verdict = judged("TheRandomPattern", editions, table.assign(asked=[int(by_utc[hour]) for hour in table["hour"]]))
    assert verdict.label == "asked_in_utc", verdict


def test_an_hour_that_does_not_belong_is_told_why(editions):
    right = solved("TheRandomPattern", editions)
    more = pandas.concat([right, pandas.DataFrame({"hour": [2], "asked": [7], "full": [0]})])
    assert "hour `2` `full` is 0" in judged("TheRandomPattern", editions, more).message
    more["full"] = more["full"].replace(0, 3)
    assert "In hour `2` HV_PACS rejected nothing because of its limit" in judged("TheRandomPattern", editions, more).message


# --- network or PACS

def test_times_in_other_forms(editions):
    right = solved("NetworkOrPacs", editions)
    for more in ({"thinking": round(right["thinking"], 2)}, {"at_most": round(right["at_most"])},
                 {"at_most": f"{right['at_most'] / 1000:.3f} MB/s"},
                 {"thinking": f"{right['thinking'] * 1000:.0f} ms"}, {"MG1": "PACS", "NM1": "the modality", "ECC_CT1": "Line"},
                 {"at_most": f"{right['at_most'] * 8 / 1000:.2f} Mbit/s"}, {"MG1": "HV_PACS", "NM1": " Sender ", "ECC_CT1": "'network'"},
                 {"MG1": "the archive's program", "NM1": "camera", "ECC_CT1": "the way"}, {"NM1": "NM1"}):
        assert judged("NetworkOrPacs", editions, {**right, **more}).correct, more


@pytest.mark.parametrize(("more", "label"), [
    ({"MG1": "network"}, "pacs_is_the_network"), ({"NM1": "archive"}, "pause_is_the_archive"),
    ({"ECC_CT1": "sender"}, "distance_is_the_sender"),
    ({"MG1": "vendor"}, "unreadable"), ({"thinking": -1}, "value"), ({"at_most": "12 bananas"}, "unreadable"),
    ({"MG1": ["network", "archive"]}, "unreadable"),
    ({"at_most": 125_000}, "value"), ({"at_most": 12}, "value"),
])
def test_times_that_are_not_right(editions, more, label):
    verdict = judged("NetworkOrPacs", editions, {**solved("NetworkOrPacs", editions), **more})
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict


@pytest.mark.parametrize(("factor", "says"), [(1000, "bytes a second"), (1 / 1.024, "KiB/s"), (1 / 1000, "MB/s"), (1 / 1048.576, "MiB/s")])
def test_a_rate_in_another_unit_is_told_by_it(editions, factor, says):
    right = solved("NetworkOrPacs", editions)
    verdict = judged("NetworkOrPacs", editions, {**right, "at_most": right["at_most"] * factor})
    assert verdict.label == "unit" and f"right in {says}" in verdict.message and "Asked are kB/s" in verdict.message, verdict


def test_rounded_times_do_and_other_sums_do_not(editions):
    for seed in range(4):
        here = Editions(hospital(seed, "tiny"), lambda: [])
        right, timing = solved("NetworkOrPacs", here), lesson.input_of("slow", here.own).timing
        assert judged("NetworkOrPacs", here, {**right, "at_most": 65.535 / round(timing["waiting"][0], 3)}).correct, seed
        mg1 = timing[timing["stream"] == 1]
        for thinking, label in ((mg1["waiting"].sum(), "with_the_association"),
                                ((mg1["sending"] + mg1["waiting"])[mg1["step"] == "C-STORE-RQ"].sum(), "with_the_sending")):
            assert judged("NetworkOrPacs", here, {**right, "thinking": thinking}).label == label, seed
        assert judged("NetworkOrPacs", here, {**right, "at_most": right["at_most"] / 4}).label == "window_of_the_syn", seed


def test_another_window_is_no_other_unit(editions):
    right = solved("NetworkOrPacs", editions)
    for window in (64_240, 65_535 - 1460, 32_768):
        verdict = judged("NetworkOrPacs", editions, {**right, "at_most": right["at_most"] * window / 65_535})
        assert verdict.outcome is Outcome.NOT_YET and verdict.label != "unit" and "KiB" not in verdict.message, verdict


def test_the_archive_announces_the_window_that_the_solution_uses():
    for seed in range(4):
        slow = lesson.input_of("slow", hospital(seed, "tiny"))
        syn, answer = slow.talks[0].packets[:2]
        assert answer.tcp.window == 65_535 > 3 * syn.tcp.window
        assert not [kind for packet in (syn, answer) for kind, _ in packet.tcp.options if kind == 3]
        stores = slow.timing[slow.timing["step"] == "C-STORE-RQ"]
        trip = slow.timing["waiting"][0]
        # nothing outruns one window for each round trip, and the near senders' images take no time
        assert (stores[stores["stream"] == 0]["sending"] > 3 * trip).all() and (stores[stores["stream"] > 0]["sending"] < 0.03).all()


# --- the filter

@pytest.mark.parametrize("text", [
    "ip.src==10.20.10.10&&dicom.assoc.reject.source==3&&dicom.assoc.reject.reason==2",
    "(dicom.assoc.reject.reason eq 2) and (dicom.assoc.reject.source eq 3) and (ip.src eq 10.20.10.10)",
    "ip.src == 10.20.10.10 and dicom.assoc.reject.source == 0x03 and dicom.assoc.reject.reason in {2} and tcp.srcport == 11112",
    "ip.src == 10.20.10.10/32 and dicom.assoc.reject.source == 3 and dicom.assoc.reject.reason == 2",
    "ip.src_host == 10.20.10.10 and dicom.assoc.reject.source == 3 and dicom.assoc.reject.reason == 2",
    "ip.src_host == \"10.20.10.10\" and dicom.assoc.reject.source == 3 and dicom.assoc.reject.reason in {2..9}",
    "ip.src in {10.20.10.10} and dicom.assoc.reject.source == 3 and dicom.assoc.reject.reason == 2",
    "ip.src == 10.20.10.10 and dicom.pdu.type == 3 and dicom.assoc.reject.source == 3 and dicom.assoc.reject.reason == 2",
    "ip.src == 10.20.10.10 and dicom.assoc.reject.source > 2 and dicom.assoc.reject.reason > 1 and dicom.assoc.reject.reason < 3",
    "ip.src == 10.20.10.10 and !(dicom.assoc.reject.source != 3) and not dicom.assoc.reject.reason != 2 and dicom.assoc.reject",
    "`ip.src == 10.20.10.10 and dicom.assoc.reject.source == 3 and not dicom.assoc.reject.reason == 1 and dicom`",
    "ip.addr == 10.20.10.10 and ip.dst != 10.20.10.10 and dicom.assoc.reject.source in {3} and dicom.assoc.reject.reason === 2",
    " \"ip.src == 10.20.10.10 and dicom.assoc.reject.source == 3 and dicom.assoc.reject.reason == 2\" ",
])
def test_filters_that_show_what_is_asked(editions, text):
    verdict = judged("FilterForTheNight", editions, text)
    assert verdict.correct, verdict


@pytest.mark.parametrize(("text", "says"), [
    ("ip.src = 10.20.10.10", "two signs of equality"), ("ip.src == 10.20.10.10 AND dicom", "small letters"),
    ("DICOM.pdu.type == 3", "small letters"), ("dicom.assoc.reject.code == 2", "none of the fields"),
    ("dicom.assoc.reject.result == \"2\"", "without quotes"), ("ip.src == HV_PACS", "IP address"),
    ("dicom.assoc.reject.reason in {2 3}", "separated by commas"), ("(ip.src == 10.20.10.10", "not closed"),
    ("ip.src == 10.20.10.10 dicom", "is missing"), ("ip.src ==", "ends too early"), ("and dicom", "something must stand"),
    ("tcp port 11112", "is missing"),
    ("ip.src > 10.20.10.10", "== or !="), ("2/3/2", "sign /"), ("ip.src == \"10.20.10.10\"", "without quotes"),
    ("dicom contains \"limit\"", "`contains` is Wireshark's too"), ("tcp.payload[7:3] == 02:03:02", "cut out"),
    ("tcp.flags.reset == 1", "may be a field of Wireshark's"),
    ("dicom[0:1] == 03", "cut out"), ("frame contains 02:03:02", "none of the fields"), ("ip.src matches \"10\"", "`matches`"),
    ("ip.src == 10.20.10.300", "IP address"),
    ("tcp.srcport == 11112 and dicom.assoc.reject.source == 3 and dicom.assoc.reject.reason == 2", "A port is no address"),
    ("dicom.assoc.reject.result == 2 and dicom.assoc.reject.source == 3 and dicom.assoc.reject.reason == 2 and tcp.port == 11112",
     "A port is no address"),
    ("ip.addr == 10.20.10.10 and tcp.port == 11112 and dicom.assoc.reject.source == 3 and dicom.assoc.reject.reason == 2", "either end"),
    ("ip.src == 10.20.0.0/16 and dicom.assoc.reject.source == 3 and dicom.assoc.reject.reason == 2", "HV_MWL"),
    ("   ", "empty"),
    ("dicom.assoc.reject.source == 3 and dicom.assoc.reject.source == 2", "shows nothing"),
    ("ip.src == 10.20.10.10 and dicom.assoc.reject.source == 3", "2/3/1 from HV_PACS"),
    ("ip.src == 10.20.10.10 and dicom.assoc.reject.source == 3 or dicom.assoc.reject.reason == 2", "not asked for"),
])
def test_filters_that_do_not(editions, text, says):
    verdict = judged("FilterForTheNight", editions, text)
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


@pytest.mark.parametrize("rest", ["reject.result == 2 and dicom.assoc.reject.reason == 2",
                                  "reject.result == 2 and dicom.assoc.reject.reason != 1",
                                  "reject.result == 2 and dicom.assoc.reject.reason in {2, 3, 7}",
                                  "reject.result > 1 and dicom.assoc.reject.source != 1 and dicom.assoc.reject.reason == 2",
                                  "reject.source == 3 and dicom.assoc.reject.reason == 2 and tcp.dstport > 49151"])
def test_a_filter_without_the_source_or_with_a_callers_port_is_refused(editions, rest):
    verdict = judged("FilterForTheNight", editions, f"ip.src == 10.20.10.10 and dicom.assoc.{rest}")
    assert verdict.outcome is Outcome.NOT_YET and verdict.label in ("result_for_the_source", "extra", "missing"), verdict


REJECT = "dicom.assoc.reject.source == 3 and dicom.assoc.reject.reason == 2"


@pytest.mark.parametrize(("text", "says"), [
    (f"tcp.dstport == 11112 and {REJECT}", "both `tcp.dstport == 11112` and `dicom.assoc.reject.source == 3`"),
    (f"(tcp.dstport == 11112 && {REJECT})", "both `tcp.dstport == 11112` and `dicom.assoc.reject.source == 3`"),
    (f"tcp.srcport == 104 and {REJECT}", "`tcp.srcport == 104` alone"),
    (f"ip.src == 10.20.10.11 and {REJECT}", "`ip.src == 10.20.10.11` alone"),
    ("dicom.assoc.reject.result == 1 and dicom.assoc.reject.source == 3", "all of its conditions together"),
    ("ip.src == 10.20.10.10 and dicom.assoc.reject.reason == 5", "`dicom.assoc.reject.reason == 5` alone"),
    (f"ip.src == 10.20.10.10 and {REJECT} and dicom.assoc.abort", "`dicom.assoc.abort`"),
    ("ip.src == 10.20.10.10 and dicom.assoc.reject.source == 2 and dicom.assoc.reject.reason == 3",
     "both `dicom.assoc.reject.source == 2` and `dicom.assoc.reject.reason == 3`"),
    ("dicom.assoc.reject.result == 3 and dicom.assoc.reject.source == 2", "`dicom.assoc.reject.result == 3` alone"),
    ("not tcp", "No frame that may come fulfils it"),
])
def test_of_a_filter_that_shows_nothing_the_conditions_are_told(editions, text, says):
    verdict = judged("FilterForTheNight", editions, text)
    assert verdict.label == "nothing" and says in verdict.message and "title" not in verdict.message, verdict


def test_titles_are_blamed_only_where_they_stand_in_the_filter(editions):
    verdict = judged("FilterForTheNight", editions, f"{REJECT} and dicom.assoc.ae.calling == \"CT2\"")
    assert verdict.label == "the_called_title", verdict


def test_of_and_and_or_without_brackets_it_is_told_which_binds_closer(editions):
    said = "`and` binds closer than `or`"
    assert said in judged("FilterForTheNight", editions, f"ip.src == 10.20.10.10 and {REJECT} or dicom.assoc.abort").message
    assert said not in judged("FilterForTheNight", editions, "ip.src == 10.20.10.10").message
    assert "an A-ASSOCIATE-RQ" in judged("FilterForTheNight", editions, "dicom.pdu.type == 1").message
    assert judged("FilterForTheNight", editions, "").message.startswith("The text is empty")
    for given in (["not tcp"], b"not tcp", ["ip"], b"ip"):
        assert judged("FilterForTheNight", editions, given).label in ("nothing", "extra"), given


@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
def test_tshark_takes_and_refuses_the_same_filters(tmp_path):
    path = tmp_path / "tape.pcap"
    path.write_bytes(hospital(0, "tiny").capture("local_limit").packets)
    packets = Sniffer(path.read_bytes()).packets
    filters = ["dicom.assoc.reject.result = 2", "dicom.assoc.reject.result == 2 AND tcp", "dicom.assoc.reject.reason in {1 2}",
               "dicom.assoc.reject.result == 2 or tcp and tcp.port == 1", "not dicom.assoc.reject.result == 2 and dicom",
               "ip.src == HV_PACS", "dicom.assoc.reject.result != 1", "DICOM.assoc.reject.result == 2",
               "dicom.assoc.reject.reason in {1, 2}", "ip.addr != 10.20.10.10", "dicom.assoc.reject.result == \"2\"",
               "dicom.assoc.reject.result and ip.src == 10.20.10.10",
               "!dicom.pdu.type == 3 && dicom.pdu.type", "ip.src == 10.20.10.10/32 and dicom.assoc.reject", "ip.src == 10.20.0.0/16",
               "ip.src != 10.20.10.10/32 and dicom", "ip.src_host == 10.20.10.10 and dicom", "ip.dst_host == \"10.20.10.10\"",
               "ip.host == 10.20.10.10 and dicom.assoc.reject", "dicom.assoc.reject.reason in {2..9}", "ip.src == \"10.20.10.10\""]
    pdus = Sniffer(path.read_bytes()).pdus.set_index("frame")
    for text in filters:
        ran = subprocess.run(["tshark", "-r", path, "-d", "tcp.port==11112,dicom", "-Y", text, "-T", "fields", "-e", "frame.number"],
                             capture_output=True, text=True, timeout=60)
        try:
            test = module._Filter(text).test
        except ValueError:
            assert not ran.stdout.strip() and "tshark:" in ran.stderr, text
            continue
        shown = []
        for packet in packets:
            ends = [packet.ip.source, packet.ip.target]
            fields = {"ip": [1], "tcp": [1], "ip.src": ends[:1], "ip.dst": ends[1:], "ip.addr": ends, "ip.host": ends,
                      "ip.src_host": ends[:1], "ip.dst_host": ends[1:],
                      "tcp.port": [packet.tcp.source_port, packet.tcp.target_port]}
            if packet.number in pdus.index:
                row = pdus.loc[packet.number]
                fields |= {"dicom": [1], "dicom.pdu.type": [next(kind for kind, name in ul.NAMES.items() if name == row["pdu"])]}
                if row["pdu"] == "A-ASSOCIATE-RJ":
                    numbers = [int(part) for part in row["detail"].split(":")[0].split("/")]
                    fields |= dict(zip(module.FIELDS[3:6], ([number] for number in numbers))) | {"dicom.assoc.reject": [1]}
            if test(fields):
                shown.append(packet.number)
        assert shown == [int(number) for number in ran.stdout.split()], text


# --- live

def by_the_details_alone(bench):
    bench.send()
    seen = bench.capture()
    said = " ".join(seen.pdus["detail"])
    first = seen.conversations.to_dict("records")[0]
    for sign, word in (("2/3/2", "busy"), ("1/1/7", "Called"), ("1/1/3", "CALLING"), ("the application", " aborted ")):
        if sign in said:
            return word
    if first["opened"] != "yes":
        return "refused"
    if first["missing"] or "RST" in first["ended"]:
        return "reset"
    if "accepted" not in said:
        return "lost" if first["again"] else "silent"
    return "no_context" if " 0 of" in f" {said}" else "ok"


def test_another_persons_client_is_right(editions):
    verdict = judged("FromTheWire", editions, by_the_details_alone)
    assert verdict.correct, verdict


def without_lost(bench):
    bench.send()
    word = by_the_details_alone(bench)
    return "silent" if word == "lost" else word


def forgets_to_send(bench):
    return "silent" if not len(bench.capture().conversations) else "ok"


def knows_two_words(bench):
    bench.send()
    return "ok" if "A-ASSOCIATE-AC" in list(bench.capture().pdus["pdu"]) else "silent"


def takes_any_answer(bench):
    bench.send()
    return "ok" if len(bench.capture().pdus) > 1 else "silent"


def second_row(bench):
    bench.send()
    return "ok" if bench.capture().pdus["detail"].iloc[1] else "silent"


def last_row_of_nothing(bench):
    bench.send()
    return bench.capture().pdus["detail"].iloc[-1]


@pytest.mark.parametrize(("client", "label"), [
    (without_lost, "lost_is_silence"), (forgets_to_send, "error"), (lambda bench: "ok", "always_ok"), (lambda bench: [None], "unreadable"),
    (last_row_of_nothing, "error"), (lambda bench: 5, "unreadable"), (lambda bench: "silent", "always_silent"),
    (knows_two_words, "accepted_or_silent"), (takes_any_answer, "answered_or_silent"), (second_row, "error"),
])
def test_clients_that_are_not_right(editions, client, label):
    verdict = judged("FromTheWire", editions, client)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict


def saying(**others):
    """A client that says another word instead of some: {right word: what it says}."""
    def find(bench):
        word = by_the_details_alone(bench).strip().casefold()
        return others.get(word, word)
    return find


@pytest.mark.parametrize(("client", "label", "says"), [
    (saying(aborted="ok"), "accepted_before_aborted", "both names are among the PDUs"),
    (saying(lost="ok", silent="ok", busy="ok"), "value", "10 of 13"),
    (saying(busy="ok", called="ok", calling="ok"), "value", "10 of 13"),
    (saying(refused="silent"), "refused_is_silence", "nobody listens"), (saying(busy="called"), "busy_is_the_called_title", "transient"),
    (saying(called="calling"), "both_are_calling", "one of them has another reason"),
    (saying(calling="called"), "both_are_called", "one of them has another reason"),
    (saying(calling="called", called="calling"), "reasons_swapped", "swapped"),
    (saying(calling="called", busy="called"), "every_rejection_is_called", "every rejection"),
    (saying(calling="calling", called="calling", busy="calling"), "every_rejection_is_calling", "every rejection"),
    (saying(calling="busy", called="busy"), "every_rejection_is_busy", "every rejection"),
    (lambda bench: "refused", "always_refused", "\"refused\" of all the systems"),
    (lambda bench: "no context", "always_no_context", "of all the systems"),
])
def test_of_a_client_only_what_is_true_of_it_is_told(editions, client, label, says):
    verdict = judged("FromTheWire", editions, client)
    assert verdict.label == label and says in verdict.message, verdict


def test_of_several_mistakes_of_a_client_one_is_told_that_is_there():
    way = EXERCISES["FromTheWire"]
    right = [module.RIGHT[state] for state in module.STATES]

    def told(**others):
        results = [others.get(word, word) for word in right]
        first = next(place for place, (one, other) in enumerate(zip(results, right)) if one != other)
        part = way.answer._part(way, list(module.STATES), results, right, first)
        return part and part.__name__

    assert told(aborted="ok", lost="ok") is None and told(refused="silent", silent="ok") == "refused_is_silence"
    assert told(called="calling", calling="called", aborted="ok") == "reasons_swapped"
    assert told(called="calling", aborted="silent") == "both_are_calling"
    assert told(calling="called", busy="called", aborted="ok") == "every_rejection_is_called"
    assert told(calling="called", busy="called", called="calling") == "reasons_swapped"         # and not: every rejection is "called"


def by_the_first_context(bench):
    word = by_the_details_alone(bench)
    if word not in ("ok", "no_context"):
        return word
    results = list(bench.capture().contexts["result"])
    return "ok" if results[0] == 0 and len(results) > 1 else "no context"


def test_one_context_alone_says_nothing(editions):
    verdict = judged("FromTheWire", editions, by_the_first_context)
    assert verdict.label == "every_context_must_be_taken" and "the first row" in verdict.message, verdict


def test_a_client_that_stops_is_told_where_and_why(editions):
    message = judged("FromTheWire", editions, second_row).message
    assert "At server " in message and " of 13: For `find(<WS_ED1, ready to call " in message and "IndexError" in message, message
    assert "Call `bench.send()` first" in judged("FromTheWire", editions, forgets_to_send).message


def changed(again=lambda count: count > 0, reset=lambda ended: ended.startswith("RST"), order="abort ended accepted",
            sound=lambda seen: 0 in list(seen.contexts["result"])):
    """The solution with one thing otherwise."""
    def find(bench):
        bench.send()
        seen = bench.capture()
        talk, names, details = seen.conversations.iloc[0], list(seen.pdus["pdu"]), list(seen.pdus["detail"])
        if talk["opened"] == "refused":
            return "refused"
        if "A-ASSOCIATE-RJ" in names:
            return {"2/3/2": "busy", "1/1/7": "called", "1/1/3": "calling"}[details[-1][:5]]
        for step in order.split():
            if step == "again" and again(talk["again"]):
                return "lost"
            if step == "abort" and "A-ABORT" in names:
                return "aborted"
            if step == "ended" and reset(talk["ended"]):
                return "reset"
            if step == "accepted" and "A-ASSOCIATE-AC" in names:
                return "ok" if sound(seen) else "no context"
        return "lost" if again(talk["again"]) else "silent"
    return find


@pytest.mark.parametrize(("change", "label", "says"), [
    ({}, "correct", ""), ({"order": "ended abort accepted"}, "correct", ""),
    ({"order": "ended accepted abort"}, "accepted_before_aborted", "as on tape 7"),
    ({"order": "again abort ended accepted"}, "again_is_lost", "as on tape 14"),
    ({"order": "abort accepted ended"}, "error", "no context has a `result`"),
    ({"reset": lambda ended: ended == "RST by server"}, "error", "no context has a `result`"),
    ({"reset": lambda ended: ended == "RST by client"}, "error", "Look at the names and at `ended`"),
    ({"again": lambda count: count > 1}, "lost_is_silence", "never asked"),
    ({"sound": lambda seen: seen.pdus["detail"].iloc[1].startswith("1 of 21")}, "value", "a row of `contexts` has the `result` 0"),
])
def test_each_thing_that_a_capture_may_show_is_met(editions, change, label, says):
    verdict = judged("FromTheWire", editions, changed(**change))
    assert verdict.label == label and says in verdict.message, verdict


def test_nothing_runs_on_after_the_benches():
    with pytest.raises(ZeroDivisionError):
        with module.benches([("healthy", "HV_PACS"), ("narrow", "HV_VNA")]) as found:
            found[0].send()
            1 / 0


def test_each_state_shows_what_the_table_says():
    with EXERCISES["FromTheWire"].stage(random.Random(7)) as cases:
        assert sorted(state for _, state in cases) == sorted(module.TRIED) and set(module.STATES) == set(module.RIGHT)
        for (bench,), state in cases:
            bench.send()
            seen = bench.capture()
            talk = seen.conversations.iloc[0]
            assert (talk["opened"] == "refused") == (state == "closed") and (talk["again"] > 0) == (state in ("lost", "stalled")), state
            assert talk["again"] <= 1 and (talk["ended"] == "RST by client") == (state == "torn"), state
            assert talk["ended"].startswith("RST") == (state in ("closed", "cut", "torn")), state
            names = list(seen.pdus["pdu"])
            assert ("A-ABORT" in names) == (state in ("aborts", "breaks")), state
            assert ("A-ASSOCIATE-AC" in names) == (state in ("breaks", "no context", "healthy", "stalled", "cut", "torn")), state
            accepted = list(seen.contexts["result"].fillna(-1))
            assert (0 in accepted) == (state in ("healthy", "stalled", "breaks")), state
            assert len(accepted) == (0 if state == "closed" else 4 if state == "stalled" else 21), state
            assert 3 in accepted or state not in ("healthy", "stalled", "no context")  # a viewer's request is never taken whole
