"""What associations of pynetdicom lack: they wait too often, and on a busy machine they lose answers.

    entity.associate(host, port, evt_handlers=[(evt.EVT_CONN_OPEN, at_once)])
"""

import contextlib
import functools
import select
import socket
import threading
import time
import weakref

REST = 0.05                             # seconds after which a connection's thread looks at its timers, though nothing came
HELD = 0.01                             # between two times that a thread says that it is held
MOMENT = 0.001                          # between two looks at a thread that is ending


def at_once(event):
    """Let nothing wait on a connection of pynetdicom's, nor get lost: a handler of EVT_CONN_OPEN, for those who are called and for those who
    call."""
    from pynetdicom import evt

    dul = event.assoc.dul
    dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    dul.bell = _Bell()
    event.assoc.bind(evt.EVT_CONN_CLOSE, dul.bell.close)
    # (Who calls keeps pynetdicom's `get_msg`: with one that waits, the association's own thread takes answers from the queue that the
    # caller's thread is waiting for.)
    dul.__class__ = _watchful()
    event.assoc._reactor_checkpoint = _Checkpoint(event.assoc)


class _Bell:
    """What wakes a thread that waits for its connection: a connection of its own, for on Windows one can wait for nothing else beside it."""

    def __init__(self):
        self.heard, self._rope = socket.socketpair()
        for end in (self.heard, self._rope):
            end.setblocking(False)
            weakref.finalize(self, end.close)   # of a connection that ends in no way that pynetdicom tells
        self.wanted = False                     # whether somebody waits

    def ring(self):
        """Wake whoever waits; nothing when nobody does."""
        if self.wanted:
            with contextlib.suppress(OSError):  # it has been rung often enough
                self._rope.send(b"!")

    def wait(self, line):
        """Wait until something comes on a connection, a socket or None, or somebody rings."""
        try:
            ready, _, _ = select.select([self.heard] if line is None else [self.heard, line], [], [], REST)
            if self.heard in ready:
                self.heard.recv(4096)
        except (OSError, ValueError):           # one of them is closed; so the thread will end in a moment
            time.sleep(MOMENT)

    def close(self, event=None):
        """No one will wait any more."""
        self.heard.close()
        self._rope.close()


@functools.lru_cache(maxsize=1)
def _watchful():
    """pynetdicom's thread of a connection, made when pynetdicom is needed. Its own looks a thousand times a second whether something came or
    is to be sent; this one is woken."""
    from pynetdicom.dul import DULServiceProvider

    class Watchful(DULServiceProvider):
        @property
        def _run_loop_delay(self):
            """Seconds that pynetdicom is to sleep between two looks: none, for the waiting is done here."""
            if threading.current_thread() is not self:              # who waits for this thread to end
                self.bell.ring()
                return MOMENT
            self.bell.wanted = True
            if self.to_provider_queue.empty() and self.event_queue.empty() and not self._kill_thread:
                self.bell.wait(self.socket and self.socket.socket)
            self.bell.wanted = False
            return 0

        def send_pdu(self, primitive):
            super().send_pdu(primitive)
            self.bell.ring()

        def kill_dul(self):
            super().kill_dul()
            self.bell.ring()

    return Watchful


class _Checkpoint:
    """Where an association's own thread is held while another thread waits for answers on it; in place of pynetdicom's `threading.Event`.

    With that, the thread counts as held until it has gone on a little. Who asks in that moment sends its request, and the thread, if the
    machine is busy just then, takes the answer for itself: the request ends in a time-out.
    """

    def __init__(self, association):
        self._association, self._changed, self._passable = association, threading.Condition(), True

    def set(self):
        """Let the association's thread go on."""
        with self._changed:
            self._passable = True
            self._changed.notify_all()

    def clear(self):
        """Hold the association's thread from now on."""
        with self._changed:
            self._passable = False

    def wait(self):
        """As the association's thread: wait until it may go on, from when on it no longer counts as held."""
        with self._changed:
            while not (self._passable or self._association._kill):
                self._association._is_paused = True     # said again, for the thread that answers an N-EVENT-REPORT takes it back
                self._changed.wait(HELD)
            self._association._is_paused = False
