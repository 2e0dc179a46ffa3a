"""Ports for servers that a test stops, to find that nobody answers there any more."""

import contextlib
import itertools
import os
import socket

_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_NEXT = itertools.count(10_000 + _WORKER % 10 * 2_000 + os.getpid() % 1_000)           # so each process of a test run has its own


def own_port():
    """A free port below those that operating systems give out. One of theirs may be another process's as soon as it is closed."""
    for port in _NEXT:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
