"""The interface engine: what it passes on, what it refuses, what it keeps, and what it never loses."""

import re
import socket
import sqlite3
import threading
from pathlib import Path

import pytest
from ports import own_port

from coursekit.errors import CourseError
from coursekit.standards import hl7
from coursekit.systems.engine import KEEP, CodeTable, Counts, Engine, Unmapped
from coursekit.systems.mllp import Listener, Sender, frame, send


def message(number=1, event="ORM^O01", sender="RIS", **fields):
    made = hl7.parse(f"MSH|^~\\&|{sender}|HVGH|HV_ENGINE|HVGH|20250407||{event}|R{number}|P|2.3.1||||||8859/1\r"
                     f"PID|1||HV{number}||O\\T\\K^JÖRG\rOBR|1|P{number}||XCHEST^XR chest^99HV\r")
    for place, text in fields.items():
        made[place.replace("_", "-")] = text
    return made


def enhanced(number, accept="AL", application="AL"):
    return message(number, MSH_15=accept, MSH_16=application)


def clock():
    return "20250407073000+0200"


class Receiver(Listener):
    """A destination: `got` has what it accepted; it refuses the control IDs in `refuses`, and waits while `open` is cleared."""

    def __init__(self, name="HV_PACS", port=0):
        super().__init__(name, self._receive, port=port, clock=clock)
        self.got, self.asked, self.refuses, self.open = [], [], set(), threading.Event()
        self.open.set()

    def _receive(self, message):
        self.open.wait(20)
        self.asked.append(message.control_id)
        if message.control_id in self.refuses:
            raise hl7.Refusal("AE", "Nobody knows it.", "204", "PID^1^3")
        self.got.append(message)
        return hl7.reply(message, at=clock())

    @property
    def ids(self):
        return [message.control_id for message in self.got]


@pytest.fixture
def pacs():
    with Receiver() as pacs:
        yield pacs
        pacs.open.set()


@pytest.fixture
def engine(pacs):
    with Engine("HV_ENGINE", listeners={"main": own_port()}, clock=clock) as engine:
        engine.destination("HV_PACS", pacs.port, retry=0.02)
        yield engine
    with pytest.raises(OSError):
        socket.create_connection((engine.host, engine.port), timeout=2)


def give(engine, *messages):
    """Send messages, and wait until the engine has nothing left to do: the codes of the acknowledgements."""
    found = [answer["MSA-1"] for answer in send(engine.host, engine.port, list(messages), 30)]
    assert engine.settle(30)
    return found


def through(engine):
    """Wait until all messages are through the channels, delivered or not."""
    with engine._news:
        return engine._news.wait_for(lambda: not engine._next_work(), 30)


# Filter, map, route

def test_messages_are_filtered_changed_routed_and_counted(engine, pacs):
    with Receiver("EMR") as emr:
        engine.destination("EMR", emr.port)

        def is_order(message):
            return message.event == "ORM^O01"

        def to_archive(message):
            message["MSH-5"] = "HV_PACS"
            message["PID-5.1"] = hl7.escape(hl7.unescape(message["PID-5.1"]).title())

        def with_zds(message):
            message.add("ZDS|2.999.4^HVGH^Application^DICOM")
            return message

        engine.channel("orders", filter=is_order, map=[to_archive, with_zds], to="HV_PACS")
        engine.channel("copies", to=["HV_PACS", "EMR"], map=with_zds, filter=lambda message: message["PID-3"] == "HV3")
        engine.channel("by class", to=lambda message: "EMR" if message["PID-3"] == "HV1" else None)
        assert give(engine, message(1), message(2, "ADT^A04"), message(3)) == ["AA", "AA", "AA"]
        assert pacs.ids == ["R1", "R3", "R3"] and sorted(emr.ids) == ["R1", "R3"]
        assert pacs.got[0]["PID-5"] == r"O\T\K^JÖRG" and pacs.got[0]["ZDS-1.1"] == "2.999.4" and pacs.got[0]["MSH-5"] == "HV_PACS"
        assert pacs.got[2]["MSH-5"] == "HV_ENGINE" and emr.got[0].encode() == message(1).encode()
        assert engine.counters == {"orders": Counts(3, 1, 2, 0, 0), "copies": Counts(3, 2, 2, 0, 0), "by class": Counts(3, 2, 1, 0, 0)}
        assert repr(engine) == (
            "channel   received  filtered  sent  queued  errors\n"
            "orders           3         1     2       0       0\n"
            "copies           3         2     2       0       0\n"
            "by class         3         2     1       0       0\n"
            "\n"
            "destination  sent  queued  errors\n"
            "HV_PACS         3       0       0\n"
            "EMR             2       0       0")


def test_the_journal_of_one_message(engine, pacs):
    engine.channel("all", to="HV_PACS")
    give(engine, message())
    assert repr(engine.journal) == ("  1  RIS -> HV_ENGINE  ORM^O01  R1\n  2  HV_ENGINE -> RIS  ACK  AA R1\n"
                                    "  3  HV_ENGINE -> HV_PACS  ORM^O01  R1\n  4  HV_PACS -> HV_ENGINE  ACK  AA R1")
    assert repr(engine.messages) == "  1  RIS  ORM^O01  R1" and engine.messages[0].message == message()
    assert repr(engine.errors) == "None."


def test_without_a_map_bytes_go_on_as_they_came(engine, pacs):
    engine.channel("all", to="HV_PACS")
    line_feeds = message(1).encode().replace(b"\r", b"\n")
    other = message(2).encode().translate(bytes.maketrans(b"^~", b"~^"))
    assert give(engine, line_feeds, other) == ["AA", "AA"]
    assert [one.received for one in pacs.got] == [line_feeds, other]


def test_a_message_waits_for_the_first_channel(engine, pacs):
    assert send(engine.host, engine.port, message())["MSA-1"] == "AA"
    engine.channel("all", to="HV_PACS")
    assert engine.settle() and pacs.ids == ["R1"]


def test_listeners_have_channels_of_their_own(pacs):
    with Engine("HV_ENGINE", listeners=("ris", "clinic")) as engine:
        engine.destination("HV_PACS", pacs.port)
        engine.channel("clinic", to="HV_PACS", listener="clinic")
        engine.channel("both", to=lambda message: None)
        assert engine.port == engine.ports["ris"] != engine.ports["clinic"]
        send(engine.host, engine.ports["ris"], message(1))
        send(engine.host, engine.ports["clinic"], message(2))
        assert engine.settle() and pacs.ids == ["R2"]
        assert engine.counters == {"clinic": Counts(1, 0, 1, 0, 0), "both": Counts(2, 2, 0, 0, 0)}
        assert [one.listener for one in engine.messages] == ["ris", "clinic"]


@pytest.mark.parametrize("settings, said", (
    ({"to": "VNA"}, "no destination 'VNA'"), ({"to": ["HV_PACS", "VNA"]}, "no destination 'VNA'"),
    ({"to": "HV_PACS", "listener": "x"}, "no listener 'x'; it has main"), ({"to": "HV_PACS", "map": ["upper"]}, "functions"),
    ({"to": "HV_PACS", "filter": "ORM"}, "functions"),
))
def test_a_wrong_setting_is_told_in_a_sentence(engine, settings, said):
    with pytest.raises(CourseError, match=said):
        engine.channel("wrong", **settings)


def test_a_code_table_reports_what_it_does_not_have():
    table = CodeTable("procedures", {"CHEST": "XCHEST"}, default="OTHER")
    assert [table[code] for code in ("CHEST", "A", "B", "A")] == ["XCHEST", "OTHER", "OTHER", "OTHER"]
    assert table.unmapped == {"A": 2, "B": 1}
    assert repr(table) == "procedures: 1 codes\n  unmapped: 'A', 2 times\n  unmapped: 'B', 1 time"
    assert CodeTable("x", {}, default=KEEP)["A"] == "A"
    with pytest.raises(Unmapped, match="'procedures' has no entry for 'A'"):
        CodeTable("procedures", {})["A"]


# A learner's function that fails

def test_what_goes_wrong_in_a_step_stands_in_the_error_queue_and_the_engine_goes_on(engine, pacs):
    codes = CodeTable("procedures", {"XCHEST": "CHEST"})
    wrong = {
        "R1": lambda message: {}["XCHEST"], "R2": lambda message: codes["EC.CT"], "R3": lambda message: message["PID5"],
        "R4": lambda message: "MSH|", "R5": lambda message: message.__setitem__("PID-5.2", "Ł"), "R6": lambda message: exit(),
        "R7": lambda message: 1 / 0, "R8": lambda message: "VNA",
    }

    def step(message):
        return wrong.get(message.control_id, lambda message: None)(message) if message.control_id != "R8" else None

    def route(message):
        return "VNA" if message.control_id == "R8" else "HV_PACS"

    engine.channel("all", map=step, to=route)
    assert give(engine, *map(message, range(1, 10))) == ["AA"] * 9
    assert pacs.ids == ["R9"] and engine.counters["all"] == Counts(9, 0, 1, 0, 8)
    sentences = {one.message.control_id: one.sentence for one in engine.errors}
    line = ', in its line `"R1": lambda message: {}["XCHEST"]'
    assert sentences["R1"].startswith("step: KeyError: the key 'XCHEST' is not there" + line)
    assert "step: The code table 'procedures' has no entry for 'EC.CT'" in sentences["R2"] and "names no place" in sentences["R3"]
    assert sentences["R4"] == "step: it returned str, not a message"
    assert sentences["R5"] == "writing: The character 'Ł' can't be written in the message's character set, MSH-18 '8859/1'"
    assert sentences["R6"].startswith("step: SystemExit") and "ZeroDivisionError: division by zero" in sentences["R7"]
    assert sentences["R8"] == "route: it names the destination 'VNA', which the engine does not have"
    assert repr(engine.errors[7]) == "all: ORM^O01 R8: " + sentences["R8"]
    assert [event.detail for event in engine.journal if event.what == "failed"][7] == "all: " + sentences["R8"]

    # Mended, all is done again but what was discarded.
    wrong.clear()
    engine.channel("all", map=step, to="HV_PACS")
    engine.discard(engine.errors[0])
    engine.retry(engine.errors[3:5])
    assert engine.settle() and pacs.ids == ["R9", "R5", "R6"] and engine.counters["all"] == Counts(9, 0, 3, 0, 5)
    engine.retry()
    assert engine.settle() and pacs.ids == ["R9", "R5", "R6", "R2", "R3", "R4", "R7", "R8"]
    assert engine.counters["all"] == Counts(9, 0, 8, 0, 0) and engine.errors == []


def test_a_step_without_end_is_given_up(pacs):
    def endless(message):
        while message.control_id == "R1":
            pass

    with Engine("HV_ENGINE", step_seconds=4) as engine:      # as long as a step that has an end may take on a busy machine
        engine.destination("HV_PACS", pacs.port)
        engine.channel("all", map=endless, to="HV_PACS")
        give(engine, message(1), message(2))
        assert pacs.ids == ["R2"]
        assert engine.errors[0].sentence == "endless: it took longer than 4 seconds"
    with Engine("HV_ENGINE", step_seconds=60) as engine:     # and the end of the engine waits for none, nor goes on with the next channel
        engine.destination("HV_PACS", pacs.port)
        engine.channel("all", map=endless, to="HV_PACS")
        engine.channel("next", to="HV_PACS")
        send(engine.host, engine.port, message(1))


# Acknowledgements

def test_a_check_refuses_before_anything_is_stored(pacs):
    def check(message):
        if message["PID-3"] == "HV1":
            raise hl7.Refusal("AE", "The accession number is too long.", "102", "IPC^1^1")
        if message["PID-3"] == "HV2":
            raise hl7.Refusal("AR", "Not this event.", "201", "MSH^1^9^1^2")
        if message["PID-3"] == "HV3":
            raise KeyError("x")

    with Engine("HV_ENGINE", check=check) as engine:
        engine.destination("HV_PACS", pacs.port)
        engine.channel("all", to="HV_PACS")
        assert give(engine, message(1), message(2), message(3), message(4)) == ["AE", "AR", "AR", "AA"]
        assert give(engine, enhanced(1), enhanced(2), enhanced(3), enhanced(5)) == ["CE", "CR", "CE", "CA"]
        assert pacs.ids == ["R4", "R5"] and [one.message.control_id for one in engine.messages] == ["R4", "R5"]


def test_what_cannot_be_stored_is_not_accepted(engine, pacs, monkeypatch):
    engine.channel("all", to="HV_PACS")

    def full(durable=False):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as context:
        context.setattr(engine, "_change", full)
        refused = send(engine.host, engine.port, [message(), enhanced(1)])
    assert [answer["MSA-1"] for answer in refused] == ["AR", "CE"] and "disk is full" in hl7.complaint(refused[0])
    assert give(engine, message()) == ["AA"] and pacs.ids == ["R1"]


@pytest.mark.parametrize("octets, code", (
    (b"no message", "AE"), (message().encode() + b"x\r", "AE"), (message().encode().replace(b"|P|", b"|?|"), "AR"), (b"\xff" * 5000, "AE"),
))
def test_malformed_input_is_refused_and_the_engine_lives(engine, pacs, octets, code):
    engine.channel("all", to="HV_PACS")
    with socket.create_connection((engine.host, engine.port), timeout=30) as line:
        line.sendall(frame(octets))
        assert b"\rMSA|%s|" % code.encode() in line.recv(65536)
    assert give(engine, message()) == ["AA"] and len(engine.messages) == 1


def test_enhanced_mode_commits_at_once_and_acknowledges_when_the_destinations_have(engine, pacs):
    with Receiver("RIS") as ris:
        engine.destination("RIS", ris.port)
        engine.channel("all", to="HV_PACS")
        pacs.open.clear()
        commit = send(engine.host, engine.port, enhanced(1))
        assert commit["MSA-1"] == "CA" and commit["MSA-2"] == "R1" and (commit["MSH-15"], commit["MSH-16"]) == ("", "")
        assert ris.got == []
        pacs.open.set()
        assert engine.settle()
        answer, = ris.got
        assert repr(answer) == "MSH|^~\\&|HV_ENGINE|HVGH|RIS|HVGH|20250407073000+0200||ACK^O01^ACK|KR1|P|2.3.1\nMSA|AA|R1"
        # What went on asks for original mode.
        assert (pacs.got[0]["MSH-15"], pacs.got[0]["MSH-16"]) == ("", "") and pacs.got[0]["PID-5"] == message()["PID-5"]

        pacs.refuses |= {"R2", "R4"}
        assert give(engine, enhanced(2), enhanced(3, "AL", "ER"), enhanced(4, "AL", "SU"), enhanced(5, "AL", "NE"), enhanced(6, "NE", "AL"),
                    message(7)) == ["CA", "CA", "CA", "CA", "AA", "AA"]
        said = [(answer["MSA-1"], answer["MSA-2"]) for answer in ris.got[1:]]
        assert said == [("AE", "R2")] and "HV_PACS answered AE: 204 Unknown key identifier" in hl7.complaint(ris.got[1])
        assert engine.counters["all"] == Counts(7, 0, 5, 0, 2)


def test_an_application_acknowledgement_waits_until_its_receiver_is_known(engine, pacs):
    engine.channel("all", to=lambda message: None)
    give(engine, enhanced(1))
    assert repr(engine).split("\n")[-1].split() == ["RIS", "(not", "defined)", "0", "1", "0"]
    with Receiver("RIS") as ris:
        engine.destination("RIS", ris.port)
        assert engine.settle() and ris.got[0]["MSA-1"] == "AA"


def test_an_acknowledgement_is_not_acknowledged(engine):
    engine.channel("all", to="HV_PACS")
    answer = hl7.acknowledgement(message())
    with Sender(engine.host, engine.port) as sender:
        answer["MSH-15"] = "AL"
        assert sender.send(answer)["MSA-1"] == "CA"
        answer["MSH-15"] = answer["MSH-16"] = "NE"
        assert sender.send(answer) is None
    assert engine.journal.wait("ACK", 3) and engine.messages == []


# Destinations that are down, slow, or refuse

def test_while_a_destination_is_down_its_messages_wait_in_order(engine):
    port = own_port()
    engine.destination("HV_PACS", port, retry=0.02)
    engine.channel("all", to="HV_PACS")
    assert [answer["MSA-1"] for answer in send(engine.host, engine.port, [message(number) for number in range(20)])] == ["AA"] * 20
    assert engine.journal.wait("no answer") and through(engine) and not engine.settle(0.1)
    assert engine.counters["all"] == Counts(20, 0, 0, 20, 0) and engine.errors == []
    with Receiver(port=port) as again:
        assert engine.settle() and again.ids == [f"R{number}" for number in range(20)]
    assert sum(event.what == "no answer" for event in engine.journal) == 1      # the journal says it once


def test_a_destination_that_has_moved_is_found(engine, pacs):
    engine.channel("all", to="HV_PACS")
    pacs.stop()
    send(engine.host, engine.port, message())
    with Receiver() as moved:
        engine.destination("HV_PACS", moved.port)
        assert engine.settle() and moved.ids == ["R1"]


def test_after_some_attempts_a_message_goes_to_the_error_queue(pacs):
    with Engine("HV_ENGINE") as engine:
        engine.destination("HV_PACS", pacs.port, seconds=0.1, retry=0.01, attempts=2)
        engine.channel("all", to="HV_PACS")
        pacs.open.clear()
        send(engine.host, engine.port, [message(1), message(2)])
        assert engine.settle()
        assert [one.sentence for one in engine.errors] == ["HV_PACS gave no answer: No acknowledgement came in time."] * 2
        pacs.open.set()
        engine.destination("HV_PACS", pacs.port, attempts=2)         # with the usual time for its answer
        engine.retry(engine.errors[1])
        assert engine.settle() and engine.counters["all"] == Counts(2, 0, 1, 0, 1)
        assert "R2" in pacs.ids and [one.message.control_id for one in engine.errors] == ["R1"]     # the late answers' threads end in any order


def test_what_a_destination_refuses_is_not_sent_for_ever(engine, pacs):
    engine.channel("all", to="HV_PACS")
    pacs.refuses |= {"R1"}
    give(engine, message(1), message(2))
    assert pacs.asked == ["R1", "R2"] and pacs.ids == ["R2"]
    problem, = engine.errors
    assert repr(problem) == "all: ORM^O01 R1: HV_PACS answered AE: 204 Unknown key identifier at PID^1^3; Nobody knows it."
    engine.retry(problem)
    assert engine.settle() and pacs.asked == ["R1", "R2", "R1"] and len(engine.errors) == 1
    pacs.refuses.clear()
    engine.retry(engine.errors)
    assert engine.settle() and pacs.ids == ["R2", "R1"] and engine.errors == []

    engine.destination("HV_PACS", pacs.port, retry=0.01, refusals=3)
    pacs.refuses |= {"R3"}
    give(engine, message(3), message(4))
    assert pacs.asked[-4:] == ["R3", "R3", "R3", "R4"]


def test_a_destination_may_be_held_by_what_it_refused(engine, pacs):
    engine.destination("HV_PACS", pacs.port, hold=True)
    engine.channel("all", to="HV_PACS")
    pacs.refuses |= {"R2", "R4"}
    give(engine, *map(message, range(1, 6)))
    assert pacs.asked == ["R1", "R2"] and engine.counters["all"] == Counts(5, 0, 1, 3, 1)
    pacs.refuses -= {"R2"}
    engine.retry()
    assert engine.settle() and pacs.ids == ["R1", "R2", "R3"]
    engine.discard(engine.errors)
    assert engine.settle() and pacs.ids == ["R1", "R2", "R3", "R5"] and engine.counters["all"] == Counts(5, 0, 4, 0, 0)


def test_one_destination_that_hangs_holds_up_no_other(engine, pacs):
    with Receiver("EMR") as emr:
        engine.destination("EMR", emr.port)
        engine.channel("all", to=["HV_PACS", "EMR"])
        pacs.open.clear()
        send(engine.host, engine.port, [message(number) for number in range(50)])
        assert emr.journal.wait("ORM^O01", 50) and pacs.ids == []
        pacs.open.set()
        assert engine.settle() and len(pacs.ids) == 50


# Twice

def test_a_duplicate_is_acknowledged_and_not_processed_again(engine, pacs):
    engine.channel("all", to="HV_PACS")
    again = message(1, MSH_7="20250408")                     # sent again, with a new time
    assert give(engine, message(1), message(1), again, message(1, sender="CARD"), message(1, MSH_4="ECC")) == ["AA"] * 5
    assert pacs.ids == ["R1"] * 3 and [one["MSH-3"] for one in pacs.got] == ["RIS", "CARD", "RIS"]
    assert [event.detail for event in engine.journal if event.what == "duplicate"] == ["ORM^O01 R1, not processed again"] * 2
    refused, = send(engine.host, engine.port, [message(1, PID_3="HV9")])
    assert hl7.complaint(refused) == "AE: 205 Duplicate key identifier at MSH^1^10; Another message came with the same MSH-10."


def test_messages_can_be_played_again(engine, pacs):
    engine.channel("all", to="HV_PACS")
    engine.channel("none", to=lambda message: None)
    give(engine, message(1), message(2), message(3))
    engine.replay([one for one in engine.messages if one.message["PID-3"] != "HV2"])
    assert engine.settle() and pacs.ids == ["R1", "R2", "R3", "R1", "R3"]
    engine.replay(engine.messages[1], channel="all")
    assert engine.settle() and pacs.ids[-1] == "R2"
    assert engine.counters == {"all": Counts(6, 0, 6, 0, 0), "none": Counts(5, 5, 0, 0, 0)}
    with pytest.raises(CourseError, match="no channel 'some'; it has all, none"):
        engine.replay([], channel="some")


# Many, and again after an end

def test_fifty_senders_at_once_lose_nothing_and_each_keeps_its_order(engine, pacs):
    engine.channel("all", to="HV_PACS")
    accepted = []

    def work(sender):
        accepted.extend(answer["MSA-1"] for answer in send(
            engine.host, engine.port, [message(number, sender=f"S{sender}") for number in range(10)], 30))

    senders = [threading.Thread(target=work, args=(number,)) for number in range(50)]
    for one in senders:
        one.start()
    for one in senders:
        one.join()
    assert engine.settle(30) and accepted == ["AA"] * 500
    for sender in range(50):
        assert [one.control_id for one in pacs.got if one.sender == f"S{sender}"] == [f"R{number}" for number in range(10)]
    # All that came is delivered in the order in which it came.
    assert [one.message for one in engine.messages] == pacs.got


def test_an_engine_goes_on_with_the_queue_in_its_folder(tmp_path, pacs):
    folder = tmp_path / "engine"
    pacs.open.clear()
    engine = Engine("HV_ENGINE", folder)
    engine.destination("HV_PACS", pacs.port)
    engine.channel("all", to="HV_PACS")
    with engine:
        send(engine.host, engine.port, [message(1), message(2)])
        assert through(engine)
        with pytest.raises(CourseError, match="in use by another engine"):
            Engine("HV_ENGINE", folder).start()
    assert engine.counters["all"].queued == 2 and len(engine.messages) == 2 and "HV_PACS" in repr(engine)     # readable after it
    pacs.open.set()
    with engine:                                             # the same once more
        assert engine.settle() and give(engine, message(2), message(3)) == ["AA", "AA"]
    # R1 came twice: the receiver answered the first one too late for the first start, and who knows when its thread got on.
    assert "R1" in pacs.ids and [one for one in pacs.ids if one != "R1"] == ["R2", "R3"]
    engine.channel("all", map=lambda message: {}["x"], to="HV_PACS")
    with engine:
        give(engine, message(4))
    with Engine("HV_ENGINE", folder) as other:               # one that has no channels yet, and knows the messages
        assert other.counters == {"all": Counts(4, 0, 3, 0, 1)}
        assert [one.message.control_id for one in other.messages] == ["R1", "R2", "R3", "R4"]
        with pytest.raises(CourseError, match="no channel 'all' any more"):
            other.retry()
        assert len(other.errors) == 1


def test_nothing_stays_behind_after_an_end_in_the_middle_of_things(pacs):
    for turn in range(3):
        with pytest.raises(KeyError), Engine("HV_ENGINE") as engine:
            engine.destination("HV_PACS", pacs.port)
            engine.destination("EMR", 1)
            engine.channel("all", to=["HV_PACS", "EMR"])
            send(engine.host, engine.port, [message(number) for number in range(20)])
            folder = Path(engine._temporary)
            names = {thread.name for thread in threading.enumerate()}
            assert {"HV_ENGINE listener", "HV_ENGINE worker", "HV_ENGINE to HV_PACS", "HV_ENGINE to EMR"} <= names
            raise KeyError
        assert not folder.exists()
        with pytest.raises(CourseError, match="does not run"):
            engine.retry()
    with Listener("A") as taken, pytest.raises(OSError):
        Engine("HV_ENGINE", listeners={"one": 0, "two": taken.port}).start()
    assert re.fullmatch("HV_ENGINE, interface engine, stopped", repr(Engine("HV_ENGINE")))


def test_python_hl7_sends_to_the_engine(engine, pacs):
    from hl7 import client
    engine.channel("all", to="HV_PACS")
    with client.MLLPClient(engine.host, engine.port, encoding="latin-1") as other:
        for number in range(5):
            assert b"MSA|AA|R%d\r" % number in other.send_message(message(number).encode().decode("latin-1"))
    assert engine.settle() and pacs.got == [message(number) for number in range(5)]
