"""Every test runs with a progress record of its own, never the user's; tests of one file, or of one lesson, run together."""

import gc
import sys
import threading
import time
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

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
    limit = time.monotonic() + 30
    while left := [thread.name for thread in threading.enumerate() if thread not in before and not thread.name.startswith(KEPT)]:
        assert time.monotonic() < limit, f"still running: {', '.join(left)}"
        time.sleep(0.02)


KEPT = "asyncio_", "tqdm_monitor"                            # threads that these libraries keep for the next one who asks


def pytest_collection_modifyitems(items):
    """What waits for systems that run comes first, and the many small groups last, so that all cores end at the same time."""
    items.sort(key=lambda item: (item.path.name in BY_LESSON) - (item.path.parent.name == "systems"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """The cores share the tests file by file, because a file's fixtures and hospitals are made once; but the two files that go through all
    lessons are shared lesson by lesson, or one core would have them alone. xdist's own groups come to nothing, without a word, where its
    release and pytest's don't fit; and it would take the files with the most tests first, which are not those that take longest."""
    config.option.loadscopereorder = False
    return _Together(config, log)


class _Together(LoadScopeScheduling):
    def _split_scope(self, nodeid):
        return _group(nodeid)


def _group(nodeid):
    """What a test is run together with: its file, or its file and lesson."""
    path, _, test = nodeid.partition("::")
    lesson = next((one for one in LESSONS if one in test.partition("[")[2]), "") if path.endswith(BY_LESSON) else ""
    return f"{path} {lesson}"


BY_LESSON = ("test_exercises.py", "test_notebooks.py")
LESSONS = sorted((entry.id for entry in lessons.catalogue()), key=len, reverse=True)


def pytest_runtest_teardown(item, nextitem):
    """What a group of tests leaves are hospitals that others use again. The collector need not walk over them each time: with gigabytes of them
    it holds up all threads for seconds, in which a peer that really waits gives up."""
    if nextitem is None or _group(nextitem.nodeid) != _group(item.nodeid):
        gc.collect()
        gc.freeze()
