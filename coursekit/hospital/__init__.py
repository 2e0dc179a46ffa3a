"""The simulated hospital: one seed in; tables, images and messages out.

``hospital()`` is the way in. Importing this package loads neither numpy nor pandas.
"""

from functools import lru_cache

from coursekit.errors import CourseError

SCALES = {"tiny": 2_000, "default": 60_000}
LEAST, MOST = 1_000, 20_000_000

__all__ = ["NoSuchEdition", "hospital"]


class NoSuchEdition(CourseError, ValueError):
    """A seed or a scale that no edition has."""


def hospital(seed=0, scale="default"):
    """The hospital of edition `seed`.

    Parameters
    ----------
    seed : int
        0 is the edition that the course prints; any other whole number from 1 tells the same with other facts.
    scale : 'tiny', 'default' or int
        2,000 studies, 60,000, or as many as you say (from 1,000 to 20,000,000; of more than a million, `truth` knows the first million).

    Returns
    -------
    Hospital
        The same object for the same edition. The default edition is read from ``datasets/``, others are generated.

    Raises
    ------
    NoSuchEdition
        A ValueError; if the seed is no whole number from 0, or the scale is none of those.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise NoSuchEdition(f"A seed is a whole number from 0; {seed!r} is not.")
    studies = SCALES.get(scale, scale) if isinstance(scale, (str, int)) else scale
    if isinstance(studies, bool) or not isinstance(studies, int) or not LEAST <= studies <= MOST:
        raise NoSuchEdition(f"A scale is 'tiny', 'default' or a number of studies from {LEAST:,} to {MOST:,}; {scale!r} is not.")
    return _edition(seed, studies)


@lru_cache(maxsize=32)
def _edition(seed, studies):
    from coursekit.hospital.model import Hospital
    scale = {number: name for name, number in SCALES.items()}.get(studies, studies)
    return Hospital(seed, scale, studies, committed=(seed, studies) == (0, SCALES["default"]))
