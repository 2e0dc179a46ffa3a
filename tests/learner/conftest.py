import pytest


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home of the progress record."""
    folder = tmp_path / "home"
    monkeypatch.setenv("COURSEKIT_HOME", str(folder))
    return folder
