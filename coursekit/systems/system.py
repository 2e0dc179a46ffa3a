"""What all live systems share: a beginning, an end, and a journal of what happened.

    with Archive("HV_PACS") as archive:
        ...
    archive = Archive("HV_PACS").start()        # or so, in a notebook; archive.stop() ends it

A system that was started and forgotten is stopped when Python ends.
"""

import atexit
import threading
import weakref
from dataclasses import dataclass, field

HOST = "127.0.0.1"                      # nothing here is ever reachable from another machine


@dataclass(frozen=True)
class Event:
    """Something that happened between two systems.

    source, target : who sent it to whom: AE titles, or names of systems
    what           : "A-ASSOCIATE-RQ", "C-STORE-RSP", "ORM^O01", "ACK"
    detail         : what a reader wants to know of it: a status, a reason; nothing that changes from run to run
    data           : the message or data set itself, or None
    """

    source: str
    target: str
    what: str
    detail: str = ""
    data: object = field(default=None, repr=False, compare=False)

    def __repr__(self):
        return f"{self.source} -> {self.target}  {self.what}" + (f"  {self.detail}" if self.detail else "")


class Journal:
    """What happened at a system, in order; shown as a list. Any thread may write and read it."""

    def __init__(self):
        self._events, self._news = [], threading.Condition()

    def add(self, source, target, what, detail="", data=None):
        """Note an event."""
        with self._news:
            self._events.append(Event(source, target, what, detail, data))
            self._news.notify_all()

    def clear(self):
        """Forget what happened so far."""
        with self._news:
            self._events.clear()

    def wait(self, what, count=1, seconds=10.0):
        """Wait until `count` events of the name `what` are there. Returns whether they are, after `seconds` at the latest."""
        with self._news:
            return self._news.wait_for(lambda: sum(event.what == what for event in self._events) >= count, seconds)

    def __iter__(self):
        with self._news:
            return iter(list(self._events))

    def __len__(self):
        return len(self._events)

    def __getitem__(self, place):
        with self._news:
            return self._events[place]

    def __repr__(self):
        return "\n".join(f"{number:3}  {event!r}" for number, event in enumerate(self, 1)) or "Nothing has happened yet."


class System:
    """A live system. Subclasses say how it begins (`_begin`) and ends (`_end`)."""

    host = HOST

    def __init__(self, name):
        self.name, self.journal, self._runs = name, Journal(), False

    def start(self):
        """Begin to answer, and return the system. Starting one that runs changes nothing.

        Raises OSError when a port that was asked for is taken.
        """
        if not self._runs:
            try:
                self._begin()
            except BaseException:
                self._end()                 # what had begun already
                raise
            self._runs = True
            _RUNNING.add(self)
        return self

    def stop(self):
        """End it: no thread, no socket and no process stays behind. Stopping one that does not run changes nothing."""
        if self._runs:
            self._runs = False
            _RUNNING.discard(self)
            self._end()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def _begin(self):
        raise NotImplementedError

    def _end(self):
        raise NotImplementedError


_RUNNING = weakref.WeakSet()


def running():
    """A list of the systems that run now, in no order."""
    return list(_RUNNING)


@atexit.register
def stop_all():
    """Stop every system that still runs."""
    for system in running():
        system.stop()
