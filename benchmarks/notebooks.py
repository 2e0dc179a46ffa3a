"""How long each notebook runs, as shipped and solved.

    python benchmarks/notebooks.py
"""

import time

from coursekit import authoring, lessons, shipped


def main():
    """Print a line per notebook."""
    print(f"{'lesson':10}{'cells':>8}{'shipped s':>12}{'solved s':>12}")
    for entry in lessons.catalogue():
        notebook = authoring.read(shipped.notebooks() / entry.notebook)
        times = []
        for variant in (notebook, authoring.solved(notebook, lessons.load(entry.id))):
            start = time.perf_counter()
            authoring.executed(variant)
            times.append(time.perf_counter() - start)
        cells = sum(cell.cell_type == "code" for cell in notebook.cells)
        print(f"{entry.id:10}{cells:8}{times[0]:12.1f}{times[1]:12.1f}")


if __name__ == "__main__":
    main()
