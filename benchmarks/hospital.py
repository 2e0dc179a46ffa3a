"""How long editions of the hospital take, how large they are and how much memory their making needs.

    python benchmarks/hospital.py                          tiny, default, 1,000,000 studies
    python benchmarks/hospital.py 3000000 10000000         these as well
    python benchmarks/hospital.py --plot hospital.png ...  and a picture of them

Each size is measured in a process of its own, so that the peak of its memory is its own.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def measure(studies, folder):
    """Plan an edition and write it into a file: a dict of studies, planned and written (s), file (MB) and memory (GB)."""
    from coursekit.hospital.edition import write_file
    from coursekit.hospital.records import archive

    path = Path(folder) / f"{studies}.sqlite"
    start = time.perf_counter()
    made = archive(0, studies)
    planned = time.perf_counter()
    write_file(path, made.tables())
    end = time.perf_counter()
    found = {"studies": studies, "planned": planned - start, "written": end - planned, "file": path.stat().st_size / 1e6, "memory": peak()}
    path.unlink()
    return found


def peak():
    """The most memory that the process has held so far, GB; None where that is not known."""
    try:
        import resource
    except ImportError:                                     # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def plot(rows, file):
    """Seconds and memory by number of studies, both axes logarithmic, with a line along which twice as many take twice as long."""
    from matplotlib.figure import Figure

    picture = Figure(figsize=(9, 4), dpi=100)
    studies = [row["studies"] for row in rows]
    seconds = [row["planned"] + row["written"] for row in rows]
    for place, (values, unit) in enumerate(((seconds, "seconds into the database"), ([row["memory"] for row in rows], "peak memory, GB")), 1):
        axes = picture.add_subplot(1, 2, place)
        axes.loglog(studies, values, "o-", color="#0b5394")
        axes.loglog([studies[-1] / 100, studies[-1]], [values[-1] / 100, values[-1]], "--", color="#999999", lw=1, label="in proportion")
        axes.set_xlabel("studies")
        axes.set_title(unit, size=10)
        axes.grid(which="major", color="#dddddd")
        axes.legend(frameon=False)
    picture.tight_layout()
    picture.savefig(file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", type=int)
    parser.add_argument("--plot", metavar="FILE")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as room:
        if options.one:
            print(json.dumps(measure(options.one, room)))
            return
        rows = []
        for studies in sorted({2_000, 60_000, 1_000_000, *options.studies}):
            ran = subprocess.run([sys.executable, __file__, "--one", str(studies)], capture_output=True, text=True, check=True)
            rows.append(json.loads(ran.stdout))
            row = rows[-1]
            memory = f"{row['memory']:6.2f} GB" if row["memory"] else "not known here"
            print(f"{studies:>10,} studies: planned {row['planned']:6.2f} s, written {row['written']:7.2f} s, file {row['file']:8.1f} MB, "
                  f"peak memory {memory}", flush=True)
    if options.plot:
        plot(rows, options.plot)


if __name__ == "__main__":
    main()
