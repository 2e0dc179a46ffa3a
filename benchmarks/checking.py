"""How long it takes to open each lesson, and to check an answer of each kind.

    python benchmarks/checking.py

Opening is measured in a fresh Python: from `import coursekit` to the opened lesson. A check is measured for the right answer and for
an answer that no wrong way explains, on the default edition. "First" is the slowest that there is: the first check of an exercise, with
an answer that makes it compute the solution and all wrong ways; afterwards they are remembered.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

from coursekit import lessons
from coursekit.checking import Function
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.learner.opening import UNSEEN_SEEDS

OPENING = """
import time
start = time.perf_counter()
import coursekit
imported = time.perf_counter()
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()):
    coursekit.lesson({id!r})
print(imported - start, time.perf_counter() - imported)
"""


def milliseconds(action, times):
    """The time that an action takes, as a list of milliseconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        taken.append((time.perf_counter() - start) * 1000)
    return taken


def main():
    """Print both tables."""
    print(f"{'lesson':10}{'import ms':>12}{'open ms':>12}   (median of 5 fresh starts)")
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "COURSEKIT_HOME": home}
        for entry in lessons.catalogue():
            times = []
            for _ in range(5):
                ran = subprocess.run([sys.executable, "-c", OPENING.format(id=entry.id)], capture_output=True, text=True, check=True,
                                     env=environment)
                times.append([float(value) * 1000 for value in ran.stdout.split()])
            print(f"{entry.id:10}{statistics.median(t[0] for t in times):12.1f}{statistics.median(t[1] for t in times):12.1f}")

    editions = Editions(hospital(), lambda: [hospital(seed, "tiny") for seed in UNSEEN_SEEDS])
    milliseconds(editions.all, 1)
    print(f"\n{'exercise':44}{'kind':10}{'first ms':>10}{'right ms':>10}{'wrong ms':>10}   (median of 20)")
    for entry in lessons.catalogue():
        for exercise in lessons.load(entry.id).exercises:
            right, wrong = _answers(exercise, editions)
            exercise.forget()
            first = milliseconds(lambda: exercise.judge(wrong, editions), 1)[0]
            times = [statistics.median(milliseconds(lambda answer=answer: exercise.judge(answer, editions), 20)) for answer in (right, wrong)]
            kind = type(exercise.answer).__name__
            print(f"{entry.id + ' ' + exercise.name:44}{kind:10}{first:10.1f}{times[0]:10.1f}{times[1]:10.1f}")


def _answers(exercise, editions):
    if isinstance(exercise.answer, Function):
        return (exercise.solution,), (lambda *arguments: 0.123,)
    value = exercise.computed(exercise.solution, editions.own)
    right = tuple(value) if len(exercise.answer.variables) > 1 else (value,)
    return right, tuple("SELECT 'x'" for _ in right)


if __name__ == "__main__":
    main()
