"""The hospital's clocks: UTC, the wall clock of Europe/Amsterdam, and their text.

Instants are int64 seconds since 1970-01-01; a local time is the wall clock read as if it were UTC. The rule of the
European Union (Directive 2000/84/EC) is worked out here, for whole arrays, and without needing a time zone
database, which Windows does not bring. ``tests/hospital`` compares it with ``zoneinfo``.
"""

import datetime
from functools import lru_cache

import numpy as np

from coursekit.hospital import world

HOUR, DAY = 3600, 86400
NEVER = np.iinfo(np.int64).min      # the absence of a time; becomes NULL


def seconds(text):
    """'2025-03-30 01:22:10' (or a date alone) as seconds since 1970-01-01, whichever clock it is of."""
    return int(np.datetime64(text.replace(" ", "T"), "s").astype(np.int64))


@lru_cache(maxsize=1)
def changes():
    """The instants (UTC) at which summer time begins and ends, 2010 to 2030, in ascending order."""
    instants = []
    for year in range(2010, 2031):
        for month in (3, 10):
            last = datetime.date(year, month, 31)
            sunday = last - datetime.timedelta(days=(last.weekday() + 1) % 7)
            instants.append(seconds(f"{sunday} 01:00:00"))
    return np.array(instants)


def offset(utc):
    """How far the wall clock is ahead of UTC at `utc`, in seconds: 3600 in winter, 7200 in summer."""
    return HOUR + HOUR * (np.searchsorted(changes(), utc, side="right") % 2)


def to_local(utc):
    """The wall clock at the instant `utc`."""
    return utc + offset(utc)


def to_utc(local):
    """The instant at which the wall clock shows `local`.

    A time in the hour that the spring change skips becomes the hour after it; of the hour that autumn repeats,
    the first is taken.
    """
    summer = local - 2 * HOUR
    return np.where(offset(summer) == 2 * HOUR, summer, local - HOUR)


NOW_LOCAL = seconds(world.NOW.strftime("%Y-%m-%d %H:%M:%S"))
NOW_UTC = int(to_utc(np.int64(NOW_LOCAL)))


def by_time(times):
    """The positions of `times` (whole numbers from 0 to below 2**38) in ascending order, equal ones as they stand.

    What ``argsort(kind="stable")`` gives, in a quarter of its time: the position is sorted along in the low bits.
    """
    keys = np.asarray(times, dtype=np.int64) << 25 | np.arange(len(times))
    keys.sort()
    return keys & (1 << 25) - 1


FIRST_DATE, LAST_DATE = seconds("1920-01-01") // DAY, seconds("2040-01-01") // DAY
MINUTES = np.array([f" {minute // 60:02d}:{minute % 60:02d}:" for minute in range(1440)], dtype="S7")
SECONDS = np.array([f"{second:02d}" for second in range(60)], dtype="S2")


def joined(*parts):
    """Texts put together row by row from `parts`, of which at least one is an array: a list of str.

    A part is ASCII bytes, an array of them, or an array of whole numbers. Arrays are glued and cut as one long text:
    several times faster than formatting each row.
    """
    parts = [part.astype("S") if isinstance(part, np.ndarray) and part.dtype.kind == "i" else np.asarray(part)
             for part in (*parts, b"\n")]
    glued = np.empty(max(part.size for part in parts if part.ndim), dtype=[("", part.dtype) for part in parts])
    for name, part in zip(glued.dtype.names, parts):
        glued[name] = part
    # What is shorter than its field was filled up with zero bytes.
    return glued.tobytes().translate(None, b"\0").decode("ascii").split("\n")[:-1]


@lru_cache(maxsize=1)
def dates():
    """'YYYY-MM-DD' of every day from FIRST_DATE to LAST_DATE: an array of bytes."""
    return np.datetime_as_string(np.arange(FIRST_DATE, LAST_DATE).astype("datetime64[D]")).astype("S10")


@lru_cache(maxsize=1)
def short_dates():
    """'YYMMDD' of every day from FIRST_DATE to LAST_DATE: an array of bytes."""
    return np.ascontiguousarray(dates().view("S1").reshape(-1, 10)[:, [2, 3, 5, 6, 8, 9]]).view("S6")[:, 0]


def text(times):
    """'YYYY-MM-DD HH:MM:SS' for each of `times`, None where it is NEVER: a list."""
    times = np.asarray(times, dtype=np.int64)
    never = times == NEVER
    day, second = np.divmod(np.where(never, 0, times), DAY)
    texts = joined(dates()[day - FIRST_DATE], MINUTES[second // 60], SECONDS[second % 60])
    for place in np.flatnonzero(never).tolist():
        texts[place] = None
    return texts


def date_text(days):
    """'YYYY-MM-DD' for each of `days` (days since 1970-01-01), None where it is NEVER: a list."""
    return [None if text is None else text[:10] for text in text(np.where(days == NEVER, NEVER, days * DAY))]


def date_digits(times):
    """'YYMMDD' for each of `times`: an array of bytes."""
    return short_dates()[times // DAY - FIRST_DATE]
