"""The interface engine: it receives HL7 messages, filters, changes and routes them, and delivers them in order.

    engine = Engine("HV_ENGINE").start()
    engine.destination("HV_PACS", pacs.port)
    engine.channel("RIS orders", filter=is_order, map=[to_archive], to="HV_PACS")

**What it promises.** A message is acknowledged when it's in the queue on disk, not before; then it is the engine's affair. Messages for a
destination are delivered in the order in which they came, one after another, each when the one before has been acknowledged. After a
crash, the engine that is started on the same folder goes on with what was not delivered: nothing acknowledged is lost. It's *at least
once*: a message whose acknowledgement by the destination was not seen, or not noted before the crash, is delivered again. A receiver
tells by MSH-10, as this engine does: a message that came before, of the same sending application and facility, is acknowledged and not
processed again; another message under the same MSH-10 is refused.

**Acknowledgements** (HL7 v2.5.1 2.9). In original mode the engine answers AA when the message is stored, AE or AR when it's refused. In
enhanced mode it answers CA, CE or CR at once if MSH-15 wants it, and sends the application acknowledgement that MSH-16 wants as a
message of its own, to the destination that bears the sending application's name, when all destinations have answered: AA if all accepted
the message, else AE. What it passes on asks for original mode, because it's the engine that answers for the message: MSH-15 and MSH-16
are emptied before the steps see it.
"""

import contextlib
import queue
import shutil
import sqlite3
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from coursekit.errors import CourseError
from coursekit.standards import hl7
from coursekit.systems.mllp import Listener, NoAnswer, Sender, end, line_of
from coursekit.systems.system import HOST, System

WAITS = 20                       # into which the wait for a step is divided: where the machine is so busy that nobody gets on, each takes longer
KEEP = object()                  # a code table's default: a code that it does not have stays as it is
_TABLES = """
CREATE TABLE IF NOT EXISTS message (number INTEGER PRIMARY KEY, listener TEXT, application TEXT, facility TEXT, control_id TEXT,
    octets BLOB, answer TEXT, UNIQUE (application, facility, control_id));
CREATE TABLE IF NOT EXISTS work (number INTEGER PRIMARY KEY AUTOINCREMENT, message INTEGER, channel TEXT);
CREATE TABLE IF NOT EXISTS outcome (number INTEGER PRIMARY KEY, message INTEGER, channel TEXT, state TEXT, step TEXT, sentence TEXT);
CREATE TABLE IF NOT EXISTS outgoing (number INTEGER PRIMARY KEY, message INTEGER, channel TEXT, destination TEXT, octets BLOB, state TEXT,
    unanswered INTEGER DEFAULT 0, refusals INTEGER DEFAULT 0, sentence TEXT DEFAULT '');
CREATE INDEX IF NOT EXISTS outgoing_queue ON outgoing (destination, state, number);
CREATE INDEX IF NOT EXISTS outgoing_of ON outgoing (message);
CREATE INDEX IF NOT EXISTS outcome_of ON outcome (message);
"""
# message.answer: "due" while an application acknowledgement is to be sent later, else "".
# work: what is to go through the channels; `channel` is NULL for all of them.
# outcome.state: "passed", "filtered", "failed"; then "retried" or "discarded". outgoing.state: "queued", "sent", "refused",
# "unanswered"; then "discarded". Its channel is "" for an application acknowledgement.


class Unmapped(CourseError, LookupError):
    """A code table has no entry for a code."""


class CodeTable:
    """A table from one system's codes to another's: ``table[code]``.

    codes   : {their code: our code}
    default : what an unknown code becomes; KEEP leaves it as it is; if None, asking for one raises Unmapped

    `unmapped` is how often each unknown code was asked for: {code: times}, in the order in which they came first.
    """

    def __init__(self, name, codes, default=None):
        self.name, self.unmapped = name, {}
        self._codes, self._default = dict(codes), default

    def __getitem__(self, code):
        if code in self._codes:
            return self._codes[code]
        self.unmapped[code] = self.unmapped.get(code, 0) + 1
        if self._default is None:
            raise Unmapped(f"The code table {self.name!r} has no entry for {code!r}.")
        return code if self._default is KEEP else self._default

    def __repr__(self):
        rows = [f"{self.name}: {len(self._codes)} codes"]
        rows += [f"  unmapped: {code!r}, {times} time{'s' * (times > 1)}" for code, times in self.unmapped.items()]
        return "\n".join(rows)


class Counts(NamedTuple):
    """What a channel has done: messages that it was given, that its filter held back, deliveries accepted, deliveries that wait, and
    entries in the error queue."""

    received: int = 0
    filtered: int = 0
    sent: int = 0
    queued: int = 0
    errors: int = 0


class Rows(list):
    """A list, shown with one item on a line."""

    def __repr__(self):
        return "\n".join(f"{number:3}  {item!r}" for number, item in enumerate(self, 1)) or "None."


class _Kept:
    """What the queue keeps of a message: its bytes, `octets`."""

    @property
    def message(self):
        """The message as it stood then, a ``hl7.Message``."""
        return hl7.parse(self.octets)


@dataclass(frozen=True)
class Received(_Kept):
    """A message that the engine has received."""

    number: int = field(repr=False)
    listener: str
    octets: bytes = field(repr=False)

    def __repr__(self):
        message = self.message
        return f"{message.sender}  {message.event}  {message.control_id}"


@dataclass(frozen=True)
class Problem(_Kept):
    """An entry of the error queue.

    kind     : "step" when a channel's function failed, "delivery" when a destination refused the message or gave no answer
    channel  : of the channel
    step     : the name of the function, or of the destination
    sentence : what happened
    octets   : the message: before the channel's steps, or as it was to be delivered
    """

    kind: str
    number: int = field(repr=False)
    received: int = field(repr=False)
    channel: str
    step: str
    sentence: str
    octets: bytes = field(repr=False)

    def __repr__(self):
        message = self.message
        return f"{self.channel or 'acknowledgement'}: {message.event} {message.control_id}: {self.sentence}"


@dataclass
class _Channel:
    name: str
    to: object
    filter: object
    map: tuple
    listener: str | None
    at: str = ""                 # the step that is being carried out

    def carry(self, octets, known):
        """A message through the steps: (state, step, sentence, octets, destinations)."""
        self.at = "reading"
        try:
            message, received = hl7.parse(octets), octets
            if hl7.enhanced(message):
                message["MSH-15"] = message["MSH-16"] = ""
                received = None
            if self.filter is not None:
                self.at = _name_of(self.filter)
                if not self.filter(message):
                    return "filtered", "", "", b"", ()
            for step in self.map:
                self.at = _name_of(step)
                changed = step(message)
                if not isinstance(changed, hl7.Message | None):
                    raise CourseError(f"it returned {type(changed).__name__}, not a message")
                message = message if changed is None else changed
            to = self.to
            if callable(to):
                self.at = _name_of(to)
                to = to(message)
            to = (to,) if isinstance(to, str) else tuple(to or ())
            strange = [one for one in to if one not in known]
            if strange:
                raise CourseError(f"it names the destination {strange[0]!r}, which the engine does not have")
            self.at = "writing"
            octets = message.encode() if self.map or received is None else received
            return ("passed", "", "", octets, to) if to else ("filtered", "", "", b"", ())
        except BaseException as error:                   # a learner's function may raise anything
            return "failed", self.at, f"{self.at}: {_in_words(error)}", b"", ()


def _name_of(function):
    return getattr(function, "__name__", type(function).__name__)


def _in_words(error):
    """An exception in a line: what it says, and the line of the learner's own code where it was raised."""
    kind = type(error).__name__
    text = f"the key {error} is not there" if type(error) is KeyError else str(error)
    said = text if isinstance(error, CourseError) else f"{kind}: {text}" if text else kind
    line = line_of(error)
    return said.rstrip(".") + (f", in its line `{line}`" if line else "")


class _Steps:
    """Carries functions out in a thread of its own, for a limited time each."""

    def __init__(self, name):
        self._name, self._thread = name, None

    def run(self, work, seconds):
        """What work() returns. Raises TimeoutError, and gives the work up, when the time is over or another thread calls ``stop``."""
        if self._thread is None:
            self._tasks, self._results = queue.SimpleQueue(), queue.SimpleQueue()
            self._thread = threading.Thread(target=_carry_out, args=(self._tasks, self._results), name=self._name, daemon=True)
            self._thread.start()
        self._tasks.put(work)
        for _ in range(WAITS):
            with contextlib.suppress(queue.Empty):
                found = self._results.get(timeout=seconds / WAITS)
                break
        else:
            self.stop()
            found = None
        if found is None:
            raise TimeoutError
        return found

    def stop(self):
        """End the thread, and the work that is in it."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._tasks.put(None)
            self._results.put(None)
            end(thread, 0.1)


def _carry_out(tasks, results):
    with contextlib.suppress(SystemExit):                # `end` had to end it
        while (work := tasks.get()) is not None:
            results.put(work())


class _Door(Listener):
    """A listener of an engine."""

    def __init__(self, engine, name, port, clock):
        super().__init__(engine.name, port=port, clock=clock)
        self.journal, self._engine, self._as = engine.journal, engine, name

    def _judge(self, message):
        return self._engine._take(self._as, message, self._clock())

    def _handle(self, octets):
        try:
            return super()._handle(octets)
        finally:
            self._engine._told()


@dataclass
class _Destination:
    name: str
    host: str
    port: int
    seconds: float
    retry: float
    attempts: int | None
    refusals: int
    hold: bool
    news: threading.Condition
    sender: object = None
    thread: object = None


class Engine(System):
    """An interface engine.

    folder    : where its queue lies, a file ``queue.sqlite``; None is a temporary folder, which is gone after ``stop``
    listeners : names of its listeners, or {name: port}; 0 is a free port. `ports` has them once it runs, `port` is the first one's
    check     : a function that sees each message before it's acknowledged and raises ``hl7.Refusal`` for one that the engine must not
                accept
    clock     : a function that gives the text for MSH-7 of acknowledgements; None is this machine's clock
    step_seconds : how long a message may take in a channel's functions

    Define destinations, then channels; those of an engine that has messages to go on with before ``start``. Messages that come while
    there is no channel at all wait for one.
    """

    def __init__(self, name, folder=None, listeners=("main",), check=None, clock=None, step_seconds=5.0):
        super().__init__(name)
        asked = listeners if isinstance(listeners, dict) else dict.fromkeys(listeners, 0)
        self._folder, self._check, self._seconds = folder, check, step_seconds
        self._doors = {one: _Door(self, one, port, clock) for one, port in asked.items()}
        self._channels, self._destinations = {}, {}
        # One lock guards all that follows and the database; whoever waits under it is told of what concerns it.
        self._lock = threading.RLock()
        self._arrived, self._news = threading.Condition(self._lock), threading.Condition(self._lock)      # for the worker; for `settle`
        self._stopping, self._database, self._temporary, self._worker, self._kept = False, None, None, None, None
        self._untold = {}                                # a listener's thread: the message it has stored, whose answer the journal lacks
        self._steps = _Steps(f"{name} steps")
        self._at = clock or (lambda: None)

    # Settings

    @property
    def ports(self):
        """{name of a listener: its port}."""
        return {name: door.port for name, door in self._doors.items()}

    @property
    def port(self):
        """The port of the first listener."""
        return next(iter(self._doors.values())).port

    def destination(self, name, port, host=HOST, seconds=10.0, retry=1.0, attempts=None, refusals=1, hold=False):
        """Define a receiver, or where one that is defined is now.

        seconds  : how long to wait for an acknowledgement
        retry    : seconds until a message is sent again
        attempts : how often a message is sent of which no acknowledgement comes, before it goes to the error queue; None is for ever.
                   Later messages wait meanwhile
        refusals : how often a message is sent that is answered AE or AR, before it goes to the error queue
        hold     : whether later messages wait until one in the error queue has been retried or discarded
        """
        with self._lock:
            old = self._destinations.get(name)
            news = threading.Condition(self._lock) if old is None else old.news
            self._destinations[name] = new = _Destination(name, host, port, seconds, retry, attempts, refusals, hold, news)
            if old is not None:
                new.thread = old.thread
                if old.sender is not None:
                    old.sender.close()
            if self._runs and new.thread is None:
                self._deliver_to(name)
            news.notify_all()

    def channel(self, name, to, filter=None, map=(), listener=None):
        """Define a channel, or redefine it.

        to       : the name of a destination, a list of them, or a function of the message that returns either
        filter   : a function of the message; the channel takes those for which it's true. None takes all
        map      : functions, or one, that change the message, or return another
        listener : the name of the listener whose messages it is given; None is all
        """
        steps = (map,) if callable(map) else tuple(map)
        with self._lock:
            if listener is not None and listener not in self._doors:
                raise CourseError(f"The engine has no listener {listener!r}; it has {', '.join(self._doors)}.")
            unknown = [] if callable(to) else [one for one in ([to] if isinstance(to, str) else to) if one not in self._destinations]
            if unknown:
                raise CourseError(f"The engine has no destination {unknown[0]!r}; define it first, with engine.destination().")
            if not all(callable(step) for step in steps) or not (filter is None or callable(filter)):
                raise CourseError("The filter and the steps of a map are functions.")
            self._channels[name] = _Channel(name, to, filter, steps, listener)
            self._arrived.notify_all()

    # Beginning and end

    def _begin(self):
        self._stopping, self._kept, self._untold = False, None, {}
        if self._folder is None:
            self._temporary = tempfile.mkdtemp(prefix="coursekit-engine-")
        folder = Path(self._folder or self._temporary)
        folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(folder / "queue.sqlite", timeout=1.0, isolation_level=None, check_same_thread=False)
        try:
            # One connection, which nobody else may share: no second engine can deliver what this one delivers.
            for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "fullfsync = 1"):
                self._database.execute(f"PRAGMA {pragma}")
            self._database.executescript("BEGIN IMMEDIATE;" + _TABLES + "COMMIT;")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise CourseError(f"The folder of {self.name} is in use by another engine; stop that one, or name another folder.") from None
        for door in self._doors.values():
            door.start()
        self._worker = threading.Thread(target=self._work, name=f"{self.name} worker", daemon=True)
        self._worker.start()
        for name in self._destinations:
            self._deliver_to(name)

    def _deliver_to(self, name):
        thread = threading.Thread(target=self._deliver, args=(name,), name=f"{self.name} to {name}", daemon=True)
        self._destinations[name].thread = thread
        thread.start()

    def _end(self):
        for door in self._doors.values():
            door.stop()
        self._stopping = True
        self._tell_all()
        if self._worker is not None:
            self._worker.join(1.0)                       # for the message that is in its steps
            self._steps.stop()
            end(self._worker)
            self._steps.stop()                           # the worker may have gone on with the message's next channel meanwhile
            self._worker = None
        for destination in self._destinations.values():
            if destination.thread is not None:
                destination.thread.join(1.0)             # for the acknowledgement that is on its way, so that nothing goes out twice
                if destination.sender is not None:
                    destination.sender.close()
                end(destination.thread)
                destination.thread = destination.sender = None
        if self._database is not None:
            with self._lock, contextlib.suppress(sqlite3.Error):     # it could not be opened
                self._kept = {"counters": self.counters, "messages": self.messages, "errors": self.errors, "table": repr(self)}
            self._database.close()
            self._database = None
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None

    # The queue

    @contextlib.contextmanager
    def _change(self, durable=False):
        """A transaction; `durable` ones are on disk when it ends, others at the latest with the next of those."""
        with self._lock:
            database = self._open()
            database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                database.execute("ROLLBACK")
                raise

    def _rows(self, statement, *values):
        with self._lock:
            return self._open().execute(statement, values).fetchall()

    def _open(self):
        if self._database is None:
            raise CourseError(f"{self.name} does not run; start it first.")
        return self._database

    def _tell(self, *conditions):
        with self._lock:
            for one in conditions:
                one.notify_all()

    def _tell_all(self):
        self._tell(self._arrived, self._news, *(one.news for one in self._destinations.values()))

    # Receiving

    def _take(self, listener, message, at):
        hl7.check_header(message)
        if "MSA" in message:                             # an acknowledgement is never acknowledged as an application's message
            return hl7.reply(message, at=at) if hl7.wanted(message["MSH-15"], True) else None
        if self._check is not None:
            self._check(message)
        later = hl7.enhanced(message) and not hl7.same_as_original(message) and message["MSH-16"] in ("AL", "ER", "SU")
        key = message.sender, message["MSH-4.1"], message.control_id
        with self._change(durable=True) as database:
            known = database.execute("SELECT octets FROM message WHERE application = ? AND facility = ? AND control_id = ?", key).fetchone()
            if known is None:
                number = database.execute("INSERT INTO message (listener, application, facility, control_id, octets, answer) "
                                          "VALUES (?, ?, ?, ?, ?, ?)", (listener, *key, message.received, "due" if later else "")).lastrowid
                database.execute("INSERT INTO work (message) VALUES (?)", (number,))
                self._untold[threading.get_ident()] = number
        if known is not None:
            if _without_times(hl7.parse(known[0])) != _without_times(message):
                raise hl7.Refusal("AE", "Another message came with the same MSH-10.", "205", "MSH^1^10")
            self.journal.add(self.name, self.name, "duplicate", f"{message.event} {message.control_id}, not processed again")
        return hl7.reply(message, at=at)

    def _told(self):
        """The journal has the answer of this thread's message, which goes through the channels after that: so the order is always the same."""
        with self._lock:
            self._untold.pop(threading.get_ident(), None)
            self._arrived.notify_all()

    # Through the channels

    def _work(self):
        while True:
            with self._lock:
                found = []
                while not self._stopping and not (self._channels and (found := self._next_work())
                                                  and found[0][1] not in self._untold.values()):
                    self._arrived.wait()
                if self._stopping:
                    return
            (work, number, channel, listener, octets), = found
            outcomes = [(one.name, *self._carried(one, octets)) for one in list(self._channels.values())
                        if channel in (None, one.name) and one.listener in (None, listener)]
            if self._stopping:                           # its steps may have been given up: it's the first of the next start
                return
            try:
                with self._lock:                         # nobody sees that it is done before the journal has what failed
                    self._note(work, number, outcomes)
            except sqlite3.Error as error:               # the disk is full, say: nothing is lost, it's tried again
                self._pause(self._arrived, error)

    def _next_work(self):
        return self._rows("SELECT work.number, message.number, work.channel, listener, octets FROM work "
                          "JOIN message ON message.number = work.message ORDER BY work.number LIMIT 1")

    def _carried(self, channel, octets):
        try:
            return self._steps.run(lambda: channel.carry(octets, tuple(self._destinations)), self._seconds)
        except TimeoutError:
            return "failed", channel.at, f"{channel.at}: it took longer than {self._seconds:g} seconds", b"", ()

    def _note(self, work, number, outcomes):
        with self._change() as database:
            for name, state, step, sentence, octets, to in outcomes:
                database.execute("INSERT INTO outcome (message, channel, state, step, sentence) VALUES (?, ?, ?, ?, ?)",
                                 (number, name, state, step, sentence))
                database.executemany("INSERT INTO outgoing (message, channel, destination, octets, state) VALUES (?, ?, ?, ?, 'queued')",
                                     [(number, name, destination, octets) for destination in to])
            database.execute("DELETE FROM work WHERE number = ?", (work,))
            self._conclude(number)
        for name, state, _, sentence, _, _ in outcomes:
            if state == "failed":
                self.journal.add(self.name, self.name, "failed", f"{name}: {sentence}")
        self._tell_all()

    def _conclude(self, number):
        """Queue the application acknowledgement that is due, if all that concerns the message is done. Within a transaction."""
        (due, octets), = self._rows("SELECT answer, octets FROM message WHERE number = ?", number)
        if due != "due" or self._rows("SELECT 1 FROM work WHERE message = ? UNION ALL "
                                      "SELECT 1 FROM outgoing WHERE message = ? AND state = 'queued'", number, number):
            return
        wrong = self._rows("SELECT sentence FROM outcome WHERE message = ? AND state = 'failed' UNION ALL SELECT sentence FROM outgoing "
                           "WHERE message = ? AND state IN ('refused', 'unanswered')", number, number)
        message = hl7.parse(octets)
        if hl7.wanted(message["MSH-16"], not wrong):
            answer = hl7.acknowledgement(message, hl7.Refusal("AE", wrong[0][0]) if wrong else None, self._at())
            self._database.execute("INSERT INTO outgoing (message, channel, destination, octets, state) VALUES (?, '', ?, ?, 'queued')",
                                   (number, message.sender, answer.encode()))
            if message.sender in self._destinations:
                self._tell(self._destinations[message.sender].news)          # it waits for the lock until this is committed
        self._database.execute("UPDATE message SET answer = '' WHERE number = ?", (number,))

    def _pause(self, condition, error):
        self.journal.add(self.name, self.name, "failed", f"the queue: {error}")
        with self._lock:
            condition.wait_for(lambda: self._stopping, 1.0)

    # Delivering

    def _deliver(self, name):
        shown = told = None                              # the delivery that the journal has, and what it said of the last failure
        while True:
            with self._lock:
                row = None
                while not self._stopping and (row := self._next_delivery(name)) is None:
                    self._destinations[name].news.wait()
                if self._stopping:
                    return
                to = self._destinations[name]
                if to.sender is None:
                    to.sender = Sender(to.host, to.port, to.seconds)
            number, received, octets, unanswered, refusals = row
            message = hl7.parse(octets)
            if shown != number:
                self.journal.add(self.name, name, message.event, message.control_id, message)
                shown, told = number, None
            try:
                answer = to.sender.send(octets)
            except NoAnswer as error:
                if self._stopping:
                    return
                unanswered += 1
                again = to.attempts is None or unanswered < to.attempts
                state, sentence = "queued" if again else "unanswered", f"{name} gave no answer: {error}"
                if told != sentence:
                    self.journal.add(name, self.name, "no answer", str(error))
            else:
                accepted = answer is None or answer["MSA-1"] in hl7.ACCEPTED
                refusals += not accepted
                again = not accepted and refusals < to.refusals
                state, sentence = "sent" if accepted else "queued" if again else "refused", ""
                if answer is not None:
                    sentence = "" if accepted else f"{name} answered {hl7.complaint(answer)}"
                    self.journal.add(name, self.name, answer.event, f"{answer['MSA-1']} {answer['MSA-2']}".strip(), answer)
            told = sentence
            try:
                with self._change() as database:
                    database.execute("UPDATE outgoing SET state = ?, unanswered = ?, refusals = ?, sentence = ? WHERE number = ?",
                                     (state, unanswered, refusals, sentence, number))
                    self._conclude(received)
            except sqlite3.Error as error:
                self._pause(to.news, error)
            self._tell(self._news)
            if state == "queued":
                with self._lock:
                    to.news.wait_for(lambda: self._stopping or self._destinations[name] is not to, to.retry)

    def _next_delivery(self, name):
        """The first message for a destination: (number, number of the message received, octets, times unanswered, times refused); None
        when there is none or the destination is held."""
        waiting = ("queued", "refused", "unanswered") if self._destinations[name].hold else ("queued",)
        first = [row for state in waiting for row in self._rows(
            "SELECT number, message, octets, unanswered, refusals, state FROM outgoing WHERE destination = ? AND state = ? "
            "ORDER BY number LIMIT 1", name, state)]
        *row, state = min(first) if first else (None,)
        return row if state == "queued" else None

    # What is there

    @property
    def counters(self):
        """{channel: Counts}."""
        if self._kept:
            return self._kept["counters"]
        found = {name: Counts() for name in self._channels}
        for name, *numbers in self._rows("SELECT channel, count(*), sum(state = 'filtered'), sum(state = 'failed') FROM outcome "
                                         "WHERE state != 'retried' GROUP BY channel"):
            found[name] = Counts(numbers[0], numbers[1], errors=numbers[2])
        for name, sent, queued, wrong in self._rows(
                "SELECT channel, sum(state = 'sent'), sum(state = 'queued'), sum(state IN ('refused', 'unanswered')) FROM outgoing "
                "WHERE channel != '' GROUP BY channel"):
            found[name] = found[name]._replace(sent=sent, queued=queued, errors=found[name].errors + wrong)
        return found

    @property
    def messages(self):
        """The messages that it has received, in order: a list of Received."""
        if self._kept:
            return self._kept["messages"]
        return Rows(Received(*row) for row in self._rows("SELECT number, listener, octets FROM message ORDER BY number"))

    @property
    def errors(self):
        """The error queue: a list of Problem, in the order of the messages."""
        if self._kept:
            return self._kept["errors"]
        return Rows(Problem(*row) for row in self._rows(
            "SELECT 'step' AS kind, outcome.number, message, channel, step, sentence, octets FROM outcome "
            "JOIN message ON message.number = message WHERE state = 'failed' UNION ALL "
            "SELECT 'delivery', number, message, channel, destination, sentence, octets FROM outgoing "
            "WHERE state IN ('refused', 'unanswered') ORDER BY 3, 1 DESC, 2"))

    def settle(self, seconds=10.0):
        """Wait until nothing is left to do: all messages are through their channels and delivered, or in the error queue.

        Returns whether that is so, after `seconds` at the latest. Messages for a destination that is held, or not defined, don't count.
        """
        def done():
            return not (self._channels and self._next_work()) and all(self._next_delivery(name) is None for name in self._destinations)

        with self._lock:
            return self._news.wait_for(done, seconds)

    def __repr__(self):
        if self._kept:
            return self._kept["table"]
        if self._database is None:
            return f"{self.name}, interface engine, stopped"
        rows = [("channel", *Counts._fields), *((name, *counts) for name, counts in self.counters.items())]
        lines = _table(rows)
        queued = dict(self._rows("SELECT destination, count(*) FROM outgoing WHERE state = 'queued' GROUP BY destination"))
        sent = dict(self._rows("SELECT destination, count(*) FROM outgoing WHERE state = 'sent' GROUP BY destination"))
        wrong = dict(self._rows("SELECT destination, count(*) FROM outgoing WHERE state IN ('refused', 'unanswered') GROUP BY destination"))
        names = [*self._destinations, *sorted(queued.keys() - self._destinations.keys())]
        if names:
            heads = [name if name in self._destinations else f"{name} (not defined)" for name in names]
            lines += ["", *_table([("destination", "sent", "queued", "errors")] + [
                (head, sent.get(name, 0), queued.get(name, 0), wrong.get(name, 0)) for head, name in zip(heads, names)])]
        return "\n".join(lines)

    # Again

    def retry(self, problems=None):
        """Do again what failed: a step, with the message as it was received, or a delivery.

        problems : a Problem or a list of them; None is the whole error queue
        """
        with self._change(durable=True) as database:
            for one in self._chosen(problems):
                if one.kind == "step":
                    if one.channel not in self._channels:
                        raise CourseError(f"The engine has no channel {one.channel!r} any more.")
                    database.execute("UPDATE outcome SET state = 'retried' WHERE number = ?", (one.number,))
                    database.execute("INSERT INTO work (message, channel) VALUES (?, ?)", (one.received, one.channel))
                else:
                    database.execute("UPDATE outgoing SET state = 'queued', unanswered = 0, refusals = 0 WHERE number = ?", (one.number,))
        self._tell_all()

    def discard(self, problems):
        """Take entries out of the error queue for good: a Problem or a list of them."""
        with self._change(durable=True) as database:
            for one in self._chosen(problems):
                table = "outcome" if one.kind == "step" else "outgoing"
                database.execute(f"UPDATE {table} SET state = 'discarded' WHERE number = ?", (one.number,))
        self._tell_all()

    def _chosen(self, problems):
        """Of the problems those that are in the error queue still."""
        chosen = None if problems is None else [problems] if isinstance(problems, Problem) else list(problems)
        return [one for one in self.errors if chosen is None or one in chosen]

    def replay(self, messages, channel=None):
        """Send messages through the channels once more, as if they came now: a Received or a list of them; only through one if `channel`
        names it. What they lead to is delivered again."""
        chosen = [messages] if isinstance(messages, Received) else list(messages)
        if channel is not None and channel not in self._channels:
            raise CourseError(f"The engine has no channel {channel!r}; it has {', '.join(self._channels)}.")
        with self._change(durable=True) as database:
            database.executemany("INSERT INTO work (message, channel) VALUES (?, ?)", [(one.number, channel) for one in chosen])
        self._tell_all()


def _without_times(message):
    """The message without what a sender may write anew when it sends it again: MSH-7, and the sequence number MSH-13."""
    message = message.copy()
    message["MSH-7"] = message["MSH-13"] = ""
    return message


def _table(rows):
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(str(cell).ljust(width) if not place else str(cell).rjust(width)
                      for place, (cell, width) in enumerate(zip(row, widths))) for row in rows]
