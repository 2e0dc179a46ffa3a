"""How long editions of the hospital take, and how large they are.

    python benchmarks/hospital.py              tiny, default, 1,000,000 studies
    python benchmarks/hospital.py 10000000     that many as well (about 0.7 GB of memory a million)
"""

import sys
import tempfile
import time
from pathlib import Path

from coursekit.hospital.edition import write_file
from coursekit.hospital.records import archive


def measure(studies, folder):
    """Plan an edition, write it into a file, and print a line about it."""
    path = Path(folder) / f"{studies}.sqlite"
    start, start_cpu = time.perf_counter(), time.process_time()
    made = archive(0, studies)
    planned = time.perf_counter()
    write_file(path, made.tables())
    end, end_cpu = time.perf_counter(), time.process_time()
    print(f"{studies:>10,} studies: planned {planned - start:6.2f} s, written {end - planned:6.2f} s, "
          f"processor {end_cpu - start_cpu:6.2f} s, file {path.stat().st_size / 1e6:8.1f} MB, peak memory {peak()}")
    path.unlink()


def peak():
    """The most memory the process has held so far, as text."""
    try:
        import resource
    except ImportError:                                     # Windows
        return "not known here"
    unit = 1 if sys.platform == "darwin" else 1024
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9:.2f} GB"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as room:
        for count in [2_000, 60_000, 1_000_000] + [int(text) for text in sys.argv[1:]]:
            measure(count, room)
