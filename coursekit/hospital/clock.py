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


MINUTES = np.array([f" {minute // 60:02d}:{minute % 60:02d}:" for minute in range(1440)], dtype=object)
SECONDS = np.array([f"{second:02d}" for second in range(60)], dtype=object)


def text(times):
    """'YYYY-MM-DD HH:MM:SS' for each of `times`, None where it is NEVER: a list."""
    times = np.asarray(times, dtype=np.int64)
    second = times % DAY
    # Put together from texts made once: several times faster than formatting each.
    parts = zip(date_text(np.where(times == NEVER, NEVER, times // DAY)),
                MINUTES[second // 60].tolist(), SECONDS[second % 60].tolist())
    return [None if day is None else day + minute + last for day, minute, last in parts]


def date_text(days):
    """'YYYY-MM-DD' for each of `days` (days since 1970-01-01), None where it is NEVER: a list."""
    days = np.asarray(days, dtype=np.int64)
    different, place = np.unique(days, return_inverse=True)
    texts = np.datetime_as_string(different.astype("datetime64[D]")).astype(object)
    texts[different == NEVER] = None
    return texts[place].tolist()
