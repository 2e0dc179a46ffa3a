"""Where the notebooks and data sets lie that come with the package.

An installed wheel carries them inside the package, a clone beside it.
"""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def notebooks():
    """The folder of the notebooks: a Path."""
    return _folder("notebooks")


def datasets():
    """The folder of the data sets: a Path."""
    return _folder("datasets")


def _folder(name):
    inside = PACKAGE / "_shipped" / name
    return inside if inside.is_dir() else PACKAGE.parent / name
