"""MLLP over real sockets: frames that are split, joined, cut and endless, and peers that we did not write."""

import contextlib
import random
import socket
import subprocess
import sys
import threading
import time
import tracemalloc

import pytest
from ports import own_port

from coursekit.standards import hl7
from coursekit.systems.mllp import CONNECTIONS, END, START, STRAY, Deframer, Listener, NoAnswer, Sender, TooLong, frame, send

MESSAGE = b"MSH|^~\\&|RIS|HVGH|HV_PACS|HVGH|20250407||ORM^O01|R%d|P|2.3.1\rPID|1||HV1\r"


def message(number=1):
    return MESSAGE % number


def clock():
    return "20250407073000+0200"


@pytest.fixture
def pacs():
    with Listener("HV_PACS", port=own_port(), clock=clock) as pacs:
        yield pacs
    with pytest.raises(OSError):
        socket.create_connection((pacs.host, pacs.port), timeout=2)


@pytest.fixture
def line(pacs):
    with socket.create_connection((pacs.host, pacs.port), timeout=30) as line:
        yield line


def answers(line, count):
    """The next acknowledgements on a connection; fewer when it ends."""
    deframer, found = Deframer(), []
    while len(found) < count and (octets := line.recv(4096)):
        found += [hl7.parse(one) for one in deframer.feed(octets)]
    return found


def codes(line, count):
    return [(answer["MSA-1"], answer["MSA-2"]) for answer in answers(line, count)]


# Frames

def test_frames_come_in_any_pieces():
    draw = random.Random(3)
    messages = [message(number) for number in range(30)]
    stream = b"".join(b"\r\nnoise"[:draw.randrange(8)] + frame(one) for one in messages)
    for _ in range(200):
        deframer, found, place = Deframer(), [], 0
        while place < len(stream):
            size = draw.choice((1, 2, 3, 50, 5000))
            found += deframer.feed(stream[place:place + size])
            place += size
        assert found == messages and not deframer.open and deframer.cut == 0
        assert deframer.stray == len(stream) - len(b"".join(map(frame, messages)))


def test_a_frame_that_its_sender_gave_up():
    for size in (1, 2, 7, 1000):
        stream = START + b"MSH|half" + START + START + message(1) + END + START + b"a\x1cb\rc" + END + b"\x1c\r" + START + b"open"
        deframer = Deframer()
        found = [one for place in range(0, len(stream), size) for one in deframer.feed(stream[place:place + size])]
        assert found == [message(1), b"a\x1cb\rc"] and deframer.cut == 2 and deframer.stray == 2 and deframer.open


def test_a_frame_may_be_as_long_as_its_limit_and_no_longer():
    assert list(Deframer(10).feed(START + b"0123456789" + END)) == [b"0123456789"]
    deframer = Deframer(10)
    found = deframer.feed(frame(b"ok") + START + b"0123456789a")
    assert next(found) == b"ok"
    with pytest.raises(TooLong) as told:
        next(found)
    assert told.value.begun == b"0123456789a"


def test_whatever_bytes_come_a_deframer_lives_and_holds_no_more_than_its_limit():
    draw = random.Random(4)
    for _ in range(300):
        deframer = Deframer(100)
        try:
            for _ in range(20):
                for one in deframer.feed(bytes(draw.choice(b"\x0b\x1c\r|A\xff") for _ in range(draw.randrange(40)))):
                    assert len(one) <= 100 and START not in one and END not in one
                assert len(deframer._held) <= 100 + 40
        except TooLong:
            pass
    started = time.process_time()
    deframer = Deframer()
    for _ in range(200_000):
        list(deframer.feed(b"\x1c"))                       # an end that is always nearly there is looked at once
    assert len(list(Deframer().feed(frame(message()) * 20_000))) == 20_000
    assert time.process_time() - started < 5


# A listener, message by message

def test_what_a_journal_shows(pacs):
    assert repr(pacs.journal) == "Nothing has happened yet."
    answer = send(pacs.host, pacs.port, message())
    assert answer.encode() == b"MSH|^~\\&|HV_PACS|HVGH|RIS|HVGH|20250407073000+0200||ACK^O01^ACK|KR1|P|2.3.1\rMSA|AA|R1\r"
    assert [answer["MSA-2"] for answer in send(pacs.host, pacs.port, [message(2), hl7.parse(message(3)), message(4).decode()])] == [
        "R2", "R3", "R4"]
    assert repr(pacs.journal).split("\n")[:3] == ["  1  RIS -> HV_PACS  ORM^O01  R1", "  2  HV_PACS -> RIS  ACK  AA R1",
                                                  "  3  RIS -> HV_PACS  ORM^O01  R2"]
    assert pacs.journal[0].data["PID-3"] == "HV1" and pacs.journal[1].data == answer
    assert repr(pacs) == "HV_PACS, HL7 listener, running"


def test_split_and_joined_frames_and_noise_are_answered_in_order(pacs, line):
    stream = b"\r\n" + frame(message(1)) + frame(message(2)) + b"xyz" + frame(message(3))
    for place in range(0, len(stream), 37):
        line.sendall(stream[place:place + 37])
    assert codes(line, 3) == [("AA", "R1"), ("AA", "R2"), ("AA", "R3")]
    line.sendall(START + message(4)[:20] + frame(message(5)))
    assert codes(line, 1) == [("AA", "R5")]
    line.close()
    assert pacs.journal.wait("frame without end") and pacs.journal.wait("bytes outside a frame")


@pytest.mark.parametrize("octets, code, asked, said", (
    (b"", "AE", "", "empty"), (b"GET / HTTP/1.1", "AE", "", "begins with MSH"), (b"\xff\x00\x80", "AE", "", "begins with MSH"),
    (message(7) + b"and more\r", "AE", "R7", "Line 3"), (message(7).replace(b"|P|", b"|X|"), "AR", "R7", "MSH-11"),
    (message(7).replace(b"|R7|", b"||"), "AE", "", "MSH-10"), (message(7).replace(b"ORM^O01", b""), "AE", "R7", "MSH-9"),
    (message(7).rstrip() + b"\rMSH|^~\\&|B", "AE", "R7", "second MSH"),
))
def test_what_is_no_sound_message_is_refused_and_the_connection_lives(pacs, line, octets, code, asked, said):
    line.sendall(frame(octets))
    refused, = answers(line, 1)
    assert (refused["MSA-1"], refused["MSA-2"]) == (code, asked) and said in hl7.complaint(refused)
    line.sendall(frame(message(8)))
    assert codes(line, 1) == [("AA", "R8")]


def test_a_function_answers():
    def judge(message):
        if message["PID-3"] == "HV1":
            raise hl7.Refusal("AE", "No such patient.", "204", "PID^1^3")
        if message["PID-3"] == "HV2":
            return {}["none"]
        if message["PID-3"] == "HV5":
            return "AA"
        answer = hl7.acknowledgement(message, at="20250407")
        if message["PID-3"] == "HV6":
            answer["MSA-3"] = "\u0141"
        return None if message["PID-3"] == "HV3" else answer

    with Listener("EMR", judge) as emr, Sender(emr.host, emr.port) as sender:
        assert hl7.complaint(sender.send(message())) == "AE: 204 Unknown key identifier at PID^1^3; No such patient."
        assert hl7.complaint(sender.send(message().replace(b"HV1", b"HV2"))) == ("AR: 207 Application internal error; KeyError: 'none'")
        sender._seconds = 0.3                                # for this one alone, which is not answered
        with pytest.raises(NoAnswer, match="in time"):
            sender.send(message().replace(b"HV1", b"HV3"))
        sender._seconds = 10
        assert sender.send(message().replace(b"HV1", b"HV4"))["MSA-1"] == "AA"          # over a new connection
        assert "TypeError: the answer is str" in hl7.complaint(sender.send(message().replace(b"HV1", b"HV5")))
        assert "can't be written" in hl7.complaint(sender.send(message().replace(b"HV1", b"HV6")))


# A listener under fire

def test_an_endless_frame_is_answered_and_ended():
    tracemalloc.start()
    with (Listener("HV_PACS", limit=1_000_000, clock=clock, patience=1) as pacs,
          socket.create_connection((pacs.host, pacs.port), timeout=30) as line):
        line.sendall(START + message(9))
        with pytest.raises(OSError):
            while True:
                line.sendall(b"A" * 65536)
        assert pacs.journal.wait("ACK")
        assert [event.what for event in pacs.journal] == ["no message", "ACK"]
        assert repr(pacs.journal[1]) == "HV_PACS -> ?  ACK  AE R9" and "1000000 bytes" in hl7.complaint(pacs.journal[1].data)
        assert send(pacs.host, pacs.port, message())["MSA-1"] == "AA"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_a_message_that_is_too_long_is_answered_so_that_its_sender_sees_it():
    with Listener("HV_PACS", limit=100_000, clock=clock) as pacs:
        answer = send(pacs.host, pacs.port, message(9) + b"NTE|1||" + b"A" * 200_000 + b"\r")
        assert (answer["MSA-1"], answer["MSA-2"]) == ("AE", "R9") and "100000 bytes" in hl7.complaint(answer)


def test_noise_without_end_and_a_frame_that_stands_still_end_their_connection(pacs, line):
    line.sendall(b"A" * (STRAY + 1))
    assert line.recv(1) == b""
    with Listener("HV_PACS", clock=clock, patience=0.3) as pacs, socket.create_connection((pacs.host, pacs.port), timeout=20) as slow:
        slow.sendall(START + message())
        assert slow.recv(1) == b""                           # after its patience
        assert pacs.journal.wait("frame without end")
        assert send(pacs.host, pacs.port, message())["MSA-1"] == "AA"


def test_a_slow_sender_is_waited_for():
    with Listener("HV_PACS", clock=clock, patience=20) as pacs, socket.create_connection((pacs.host, pacs.port), timeout=20) as line:
        for octet in frame(message()):
            line.sendall(bytes([octet]))
        assert codes(line, 1) == [("AA", "R1")]


def test_random_bytes_from_many_at_once(pacs):
    def attack(seed):
        draw = random.Random(seed)
        for _ in range(10):
            with socket.create_connection((pacs.host, pacs.port), timeout=30) as line:
                line.sendall(bytes(draw.choice(b"\x0b\x1c\rMSH|^~\\&\xff") for _ in range(draw.randrange(400))))

    attackers = [threading.Thread(target=attack, args=(seed,)) for seed in range(8)]
    for one in attackers:
        one.start()
    for one in attackers:
        one.join()
    assert send(pacs.host, pacs.port, message())["MSA-1"] == "AA"


def test_fifty_senders_at_once_lose_nothing(pacs):
    got = []

    def work(number):
        with Sender(pacs.host, pacs.port, seconds=60) as sender:
            got.extend(sender.send(message(100 * number + turn))["MSA-2"] for turn in range(20))

    senders = [threading.Thread(target=work, args=(number,)) for number in range(50)]
    for one in senders:
        one.start()
    for one in senders:
        one.join()
    assert sorted(got) == sorted(f"R{100 * number + turn}" for number in range(50) for turn in range(20))
    assert sum(event.what == "ORM^O01" for event in pacs.journal) == 1000


def test_too_many_connections_are_turned_away(pacs):
    lines = [socket.create_connection((pacs.host, pacs.port), timeout=30) for _ in range(CONNECTIONS + 5)]
    assert lines[-1].recv(1) == b""
    lines[0].sendall(frame(message()))
    assert codes(lines[0], 1) == [("AA", "R1")]
    for one in lines:
        one.close()


# Beginning and end

def test_nothing_stays_behind():
    for _ in range(10):
        pacs = Listener("HV_PACS").start()
        idle = socket.create_connection((pacs.host, pacs.port), timeout=30)
        idle.sendall(START + b"half")
        assert any(thread.name.startswith("HV_PACS") for thread in threading.enumerate())
        pacs.stop()
        pacs.stop()
        try:
            assert idle.recv(1) == b""
        except ConnectionResetError:                         # closed with bytes unread
            pass
        idle.close()
    with pytest.raises(KeyError), Listener("HV_PACS") as pacs:
        raise KeyError
    with Listener("A", port=own_port()) as first, pytest.raises(OSError):
        Listener("B", port=first.port).start()
    with Listener("A", port=first.port) as again:            # at once after a stop
        assert again.port == first.port


def test_an_answer_without_end_does_not_outlive_its_listener():
    def endless(message):
        while True:
            pass

    with Listener("HV_PACS", endless) as pacs, pytest.raises(NoAnswer):
        send(pacs.host, pacs.port, message(), seconds=0.1)


# A sender

def answering(*parts):
    """A server that takes one connection, and answers each message with the next of `parts` (None: hangs up): its port, its thread."""
    server = socket.create_server(("127.0.0.1", 0))

    def work():
        with server:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):   # the sender may have given up by now
                for part in parts:
                    connection.recv(65536)
                    if part is None:
                        return
                    connection.sendall(part)
                connection.recv(65536)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return server.getsockname()[1], thread


ACK = b"MSH|^~\\&|B||A||2025||ACK|1|P|2.3.1\rMSA|%s|%s\r"


@pytest.mark.parametrize("parts, said", (
    ((None,), "hung up"), ((b"HTTP/1.1 400\r\n\r\n",), "in time"), ((frame(b"hello"),), "no acknowledgement"),
    ((frame(ACK % (b"AA", b"R9")),), "'R9', not of 'R1'"), ((frame(message()),), "MSA-1"), ((frame(ACK % (b"OK", b"R1")),), "MSA-1"),
    ((frame(ACK % (b"AA", b"")),), "'', not of 'R1'"), ((START + b"A" * 2000,), "longer than 1000"),
    ((frame(ACK % (b"AA", b"R1"))[:-1],), "in time"),
))
def test_what_is_no_acknowledgement_is_told_in_a_sentence(parts, said):
    port, thread = answering(*parts)
    with Sender("127.0.0.1", port, 0.3 if said == "in time" else 10, 1000) as sender, pytest.raises(NoAnswer, match=said) as told:
        sender.send(message())
    assert str(port) not in str(told.value)
    thread.join(5)


def test_nobody_listens():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(NoAnswer, match="refused"):
            send("127.0.0.1", bound.getsockname()[1], message())
    with pytest.raises(hl7.BadMessage):
        send("127.0.0.1", 9, b"no message")


def test_a_connection_that_the_other_side_ended_is_opened_again():
    with Listener("A", port=own_port()) as first, Sender(first.host, first.port) as sender:
        assert sender.send(message(1))["MSA-2"] == "R1"
        first.stop()
        with Listener("A", port=first.port):
            assert sender.send(message(2))["MSA-2"] == "R2"


def test_a_refusal_that_names_no_message_is_one():
    port, _ = answering(frame(ACK % (b"AE", b"")))
    assert send("127.0.0.1", port, message())["MSA-1"] == "AE"


@pytest.mark.parametrize("accept, application, code", (("AL", "NE", "CA"), ("NE", "NE", None), ("ER", "NE", None), ("NE", "AL", "AA")))
def test_a_sender_waits_for_what_its_message_wants(pacs, accept, application, code):
    asked = hl7.parse(message())
    asked["MSH-15"], asked["MSH-16"] = accept, application
    answer = send(pacs.host, pacs.port, asked, 0.5 if accept == "ER" else 10)
    assert (answer and answer["MSA-1"]) == code
    assert pacs.journal.wait("ORM^O01")


# Peers that nobody here wrote

def test_python_hl7_sends_to_us(pacs):
    from hl7 import client
    with client.MLLPClient(pacs.host, pacs.port) as other:
        assert b"MSA|AA|R1\r" in other.send_message(message().decode())
        assert b"MSA|AA|R2\r" in other.send_message(message(2).decode())


def test_the_command_of_python_hl7_sends_to_us(pacs, tmp_path):
    file = tmp_path / "messages.hl7"
    file.write_bytes(b"".join(frame(message(number)) for number in range(3)))
    ran = subprocess.run([sys.executable, "-c", "from hl7.client import mllp_send; mllp_send()", "-p", str(pacs.port), "-f", str(file),
                          pacs.host], capture_output=True, timeout=30)
    assert ran.stdout.count(b"MSA|AA|R") == 3, ran


def test_python_hl7_receives_from_us():
    from hl7 import mllp
    import asyncio

    async def serve(ready):
        async def answer(reader, writer):
            while not writer.is_closing():
                try:
                    writer.writemessage((await reader.readmessage()).create_ack())
                except asyncio.IncompleteReadError:
                    writer.close()
                await writer.drain()

        server = await mllp.start_hl7_server(answer, host="127.0.0.1", port=0)
        async with server:
            ready(server.sockets[0].getsockname()[1])
            await stopped.wait()

    loop, stopped, found, started = asyncio.new_event_loop(), asyncio.Event(), [], threading.Event()

    def ready(port):
        found.append(port)
        started.set()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(ready),))
    thread.start()
    assert started.wait(10)
    try:
        assert [answer["MSA-1"] for answer in send("127.0.0.1", found[0], [message(1), message(2)])] == ["AA", "AA"]
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join(10)
        loop.close()


def test_hl7apy_receives_from_us():
    from hl7apy import mllp

    class Handler(mllp.AbstractHandler):
        def reply(self):
            asked = hl7.parse(self.incoming_message)
            return frame(hl7.acknowledgement(asked)).decode()

    server = mllp.MLLPServer("127.0.0.1", 0, {"ORM^O01": (Handler,)})
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        assert send("127.0.0.1", server.server_address[1], message())["MSA-2"] == "R1"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def test_an_exception_in_answer_is_noted_with_the_line_where_it_was_raised():
    def answer(message):
        return message.controlid                                    # no such thing

    with Listener("HV_PACS", answer) as pacs:
        assert send(pacs.host, pacs.port, "MSH|^~\\&|RIS|HVGH|HV_PACS|HVGH|20250407||ADT^A08|1|P|2.5.1\r")["MSA-1"] == "AR"
    (failed,) = [event for event in pacs.journal if event.what == "failed"]
    assert failed.detail.startswith("AttributeError: ") and failed.data.startswith("return message.controlid")
