"""How long a learner waits for the package itself: python benchmarks/startup.py

Prints the median of several runs, beside the limit that the project sets where it sets one.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def median(action, times):
    """The median time of an action, in milliseconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def python(*arguments):
    """Run a Python of its own to its end."""
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def main():
    """Measure and print."""
    show = "{:50} {:8.2f} ms   {}".format
    bare = median(lambda: python("-c", ""), 15)
    print(show("python, nothing else", bare, ""))
    imported = median(lambda: python("-c", "import coursekit"), 15)
    print(show("import coursekit, beyond that", imported - bare, "limit 100"))
    print(show("coursekit --help", median(lambda: python("-m", "coursekit", "--help"), 15), ""))

    from coursekit import shipped
    from coursekit.learner import record, workspace

    with tempfile.TemporaryDirectory() as folder:
        folders = iter(range(1000))
        count = sum(1 for _ in shipped.notebooks().rglob("*.ipynb"))
        first = median(lambda: workspace.update(Path(folder) / str(next(folders))), 10)
        print(show(f"working copy of {count} notebooks, made", first, ""))
        again = median(lambda: workspace.update(Path(folder) / "0"), 10)
        print(show(f"working copy of {count} notebooks, up to date", again, ""))
        os.environ["COURSEKIT_HOME"] = str(Path(folder) / "home")
        event = {"lesson": "cpas-06", "exercise": "Any", "event": "check", "outcome": "not yet", "points": 0}
        print(show("an event appended to the record", median(lambda: record.append(event), 300), "limit 5"))
        print(show("a record of 300 events read", median(record.read, 20), ""))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
