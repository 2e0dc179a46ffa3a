"""What all live systems share."""

import pytest

from coursekit.systems.mllp import Listener
from coursekit.systems.system import running


def test_what_runs_is_told():
    before = running()
    with Listener("KIOSK") as kiosk:
        assert [system for system in running() if system not in before] == [kiosk]
    assert kiosk not in running()


def test_a_system_that_could_not_begin_does_not_run():
    with Listener("FIRST") as first:
        second = Listener("SECOND", port=first.port)
        with pytest.raises(OSError):
            second.start()
        assert second not in running()
