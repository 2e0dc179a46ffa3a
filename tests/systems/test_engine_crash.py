"""The hospital's messages through two engines, one of which is killed again and again."""

import random
import subprocess
import sys
import threading

import pytest

from coursekit.hospital import hospital
from coursekit.standards import hl7
from coursekit.systems.engine import Engine
from coursekit.systems.mllp import Listener, NoAnswer, Sender

MESSAGES, KILLS = 5000, 6
# An engine in a process of its own. It ends when nobody holds its standard input any more.
HOP = """
import sys
from coursekit.systems.engine import Engine
folder, port = sys.argv[1], int(sys.argv[2])
engine = Engine("HOP_1", folder)
engine.destination("HOP_2", port, seconds=60, retry=0.02)
def forward(message):
    message["MSH-5"] = "HOP_2"
engine.channel("all", to="HOP_2", map=forward)
with engine:
    print(engine.port, flush=True)
    sys.stdin.read()
    engine.settle(60)
"""


class Hop:
    """The first engine: `port` is where it listens; it may be killed and begun again on the same folder."""

    def __init__(self, folder, to):
        self._command = [sys.executable, "-c", HOP, str(folder), str(to)]
        self.begin()

    def begin(self):
        self.process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def end(self):
        """Let it end by itself: it may still have to note what the other side has acknowledged."""
        self.process.stdin.close()
        self.process.wait(120)

    def kill(self):
        self.process.kill()                                  # SIGKILL, or TerminateProcess on Windows
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def feed():
    """What the hospital's systems sent to the engine, each message once."""
    sent = {}
    for message in hospital().feed:
        if message.receiver == "HV_ENGINE" and message.event != "ACK":
            sent.setdefault((message.sender, message.control_id), message)
    assert len(sent) > MESSAGES
    return list(sent.values())[:MESSAGES]


def key(message):
    return message.sender, message.control_id


class Archive(Listener):
    """Where the messages arrive; `all_there` is set when as many have come as are expected."""

    def __init__(self, expected):
        super().__init__("HV_PACS", self._receive)
        self.got, self.all_there, self._expected = [], threading.Event(), expected

    def _receive(self, message):
        self.got.append(message)
        if len(self.got) == self._expected:
            self.all_there.set()
        return hl7.reply(message)


def test_the_hospital_s_feed_through_two_hops_one_of_which_is_killed_again_and_again(feed, tmp_path):
    draw = random.Random(5)
    kills = set(draw.sample(range(100, MESSAGES - 100), KILLS))
    with Archive(len(feed)) as archive, Engine("HOP_2") as second:
        second.destination("HV_PACS", archive.port, seconds=60)
        second.channel("all", to="HV_PACS")
        hop, sender, killer, unanswered = Hop(tmp_path / "hop", second.port), None, None, 0
        try:
            for number, message in enumerate(feed):
                if killer and (number in kills or number - 100 in kills):
                    killer.join()                            # it may be late, but not so late that it meets the next start, or the end
                if number in kills:                          # while it receives, works and delivers
                    killer = threading.Timer(draw.random() / 50, hop.kill)
                    killer.start()
                while True:
                    sender = sender or Sender("127.0.0.1", hop.port, seconds=60)
                    try:
                        answer = sender.send(message.bytes)
                        break
                    except NoAnswer:                         # so it has to be sent again
                        killer.join()
                        hop.begin()
                        unanswered, sender = unanswered + 1, None
                assert answer["MSA-1"] == "AA" and answer["MSA-2"] == message.control_id
            sender.close()
            arrived = -1
            while not archive.all_there.wait(30):            # however slow the machine is, some arrive in that time
                assert len(archive.got) > arrived, f"{arrived} of {len(feed)} arrived, and no more came for 30 seconds"
                arrived = len(archive.got)
            assert second.settle(60) and second.errors == []
            hop.end()
        finally:
            hop.kill()
        # Nothing is lost, nothing comes twice past the second hop, and all is in the order in which it was sent.
        assert [key(one) for one in archive.got] == [key(one) for one in feed]
        for one, sent in zip(archive.got, feed):
            assert one["MSH-5"] == "HOP_2" and one.segments()[1:] == hl7.parse(sent.bytes).segments()[1:]
        # What the first hop delivered twice is what was on its way when it was killed: one message each time at most.
        again = sum(event.what == "duplicate" for event in second.journal)
        assert 1 <= unanswered <= 2 * KILLS and again <= unanswered
    # The first engine's own memory agrees: all of it came once.
    with Engine("HOP_1", tmp_path / "hop") as first:
        assert [key(one.message) for one in first.messages] == [key(one) for one in feed]
        assert first.counters["all"][:4] == (len(feed), 0, len(feed), 0)
