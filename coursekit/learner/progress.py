"""The learner's progress as a table."""

from coursekit.learner.record import Standing

HEADINGS = ("Lesson", "Title", "Done", "Points", "Attempts", "Hints", "Solutions seen")


def table(lessons, standings: dict[str, dict[str, Standing]]) -> str:
    """Where the learner stands, one line per lesson and a total.

    lessons   : objects with `id`, `title` and `exercises`, which have `name` and `points`
    standings : what `record.summary` returns
    """
    rows, totals, left_over = [], [0] * 7, 0
    for lesson in lessons:
        mine = dict(standings.get(lesson.id, {}))
        present = [(exercise, mine.pop(exercise.name, Standing())) for exercise in lesson.exercises]
        left_over += sum(standing.points for standing in mine.values())
        numbers = [
            sum(standing.correct for _, standing in present),
            len(present),
            sum(standing.points for _, standing in present),
            sum(exercise.points for exercise, _ in present),
            sum(standing.attempts for _, standing in present),
            sum(standing.hints for _, standing in present),
            sum(standing.solution for _, standing in present),
        ]
        totals = [total + number for total, number in zip(totals, numbers, strict=True)]
        rows.append((lesson.id, lesson.title, *_cells(numbers)))
    rows.append(("", "Total", *_cells(totals)))
    lines = _aligned([HEADINGS, *rows])
    lines.insert(1, "-" * len(lines[0]))
    lines.insert(-1, lines[1])
    if left_over:
        lines.append(f"And {left_over} points for exercises that the course no longer has.")
    return "\n".join(lines)


def _cells(numbers):
    done, exercises, points, all_points, attempts, hints, solutions = numbers
    return f"{done} of {exercises}", f"{points} of {all_points}", str(attempts), str(hints), str(solutions)


def _aligned(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
