"""What associations of pynetdicom lack: they wait too often, and on a busy machine they lose answers.

    entity.associate(host, port, evt_handlers=[(evt.EVT_CONN_OPEN, at_once)])
"""

import functools
import socket
import threading

LOOK, REST = 0.0002, 0.002              # seconds between two looks at a connection: where something has just passed, and else
BUSY = 100                              # looks after which nothing has just passed
HELD = 0.01                             # between two times that a thread says that it is held


def at_once(event):
    """Let nothing wait on a connection of pynetdicom's, nor get lost: a handler of EVT_CONN_OPEN, for those who are called and for those who
    call."""
    event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # (Who calls keeps pynetdicom's `get_msg`: with one that waits, the association's own thread takes answers from the queue that the
    # caller's thread is waiting for.)
    event.assoc.dul.__class__ = _watchful()
    event.assoc._reactor_checkpoint = _Checkpoint(event.assoc)


@functools.lru_cache(maxsize=1)
def _watchful():
    """pynetdicom's thread of a connection, made when pynetdicom is needed. It looks a thousand times a second whether something came, which
    costs half of the speed while much comes, and a twentieth of the processor while nothing does."""
    from pynetdicom.dul import DULServiceProvider

    class Watchful(DULServiceProvider):
        _looks = 0                              # since something passed

        @property
        def _run_loop_delay(self):
            self._looks += 1
            return LOOK if self._looks < BUSY else REST

        def _read_pdu_data(self):
            self._looks = 0
            super()._read_pdu_data()

        def send_pdu(self, primitive):
            self._looks = 0
            super().send_pdu(primitive)

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
