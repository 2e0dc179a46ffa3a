"""Every test runs with a progress record of its own, never the user's."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests share `hostile`


@pytest.fixture(autouse=True)
def own_progress_record(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSEKIT_HOME", str(tmp_path / "coursekit-home"))
