"""Every test runs with a progress record of its own, never the user's; tests of one file, or of one lesson, stay on one core."""

import gc
import sys
import threading
import time
from pathlib import Path

import pytest

from coursekit import lessons

sys.path.insert(0, str(Path(__file__).parent))  # tests share `hostile`


@pytest.fixture(autouse=True)
def own_progress_record(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSEKIT_HOME", str(tmp_path / "coursekit-home"))


@pytest.fixture(autouse=True)
def nothing_left_behind():
    """No thread that a test started outlives it by more than a moment. Threads of tests before it may end meanwhile, so none are counted."""
    before = set(threading.enumerate())
    yield
    limit = time.monotonic() + 10
    while left := [thread.name for thread in threading.enumerate() if thread not in before and not thread.name.startswith(KEPT)]:
        assert time.monotonic() < limit, f"still running: {', '.join(left)}"
        time.sleep(0.02)


KEPT = "asyncio_", "tqdm_monitor"                            # threads that these libraries keep for the next one who asks


def pytest_collection_modifyitems(items):
    """Two cores share the tests file by file, because a file's fixtures are made once; but the two files that go through all lessons are
    shared lesson by lesson, or one core would have them alone. What takes long comes first and the many small groups last, so that both
    cores end at the same time."""
    items.sort(key=lambda item: (item.path.name in BY_LESSON) - (item.path.parent.name == "systems"))
    for item in items:
        group = item.path.name
        if group in BY_LESSON:
            lesson = next((one for one in LESSONS if one in item.nodeid.partition("[")[2]), "")
            group = f"{group} {lesson}"
        item.add_marker(pytest.mark.xdist_group(group))


BY_LESSON = ("test_exercises.py", "test_notebooks.py")
LESSONS = sorted((entry.id for entry in lessons.catalogue()), key=len, reverse=True)


def pytest_runtest_teardown(item, nextitem):
    """What a group of tests leaves are hospitals that others use again. The collector need not walk over them each time: with gigabytes of them
    it holds up all threads for seconds, in which a peer that really waits gives up."""
    if nextitem is None or _group(nextitem) != _group(item):
        gc.collect()
        gc.freeze()


def _group(item):
    return item.get_closest_marker("xdist_group").args[0]
