"""Pictures of image exchange: the mechanisms by who acts and who is known, and a query to several communities with a time limit."""

import textwrap

from coursekit.figures.picture import Picture, canvas

_INK, _FAINT, _LINE, _WRONG = "#1c2733", "#5c6873", "#0b5394", "#b3261e"
_BOX, _HEAD, _BAR, _LATE, _DOUBT = "#eef2f6", "#dbe6f2", "#9cc3e6", "#f6d9d6", "#f7e3b0"
_WIDE = 900


def scenario_map(columns, rows, cells, title):
    """A map of mechanisms: what they presume is told by column and row.

    columns, rows : texts, from the left and from the top
    cells         : {(column, row): list of (mechanism, what it does)}, counted from 0
    """
    left, head = 150, 92
    cell_wide = (_WIDE - left - 14) / len(columns)
    chars = int((cell_wide - 30) / 6.9)
    blocks = {place: [(name, textwrap.wrap(words, chars)) for name, words in inside] for place, inside in cells.items()}
    heights = [max([60, *(sum(30 + 17 * len(lines) for _, lines in inside) + 16 for (_, one), inside in blocks.items() if one == row)])
               for row in range(len(rows))]
    tall = head + sum(heights) + 8 * len(rows) + 8
    picture, axes = canvas(_WIDE, tall)
    axes.text(14, 20, title, size=11, weight="bold", color=_INK, va="center")
    for place, words in enumerate(columns):
        x = left + cell_wide * place
        axes.add_patch(_box(x + 3, 40, cell_wide - 6, 44, _HEAD))
        axes.text(x + cell_wide / 2, 62, "\n".join(textwrap.wrap(words, int(cell_wide / 8.6))), size=9.5, weight="bold", color=_INK,
                  ha="center", va="center")
    y, said = head, []
    for row, words in enumerate(rows):
        axes.add_patch(_box(14, y, left - 20, heights[row], _HEAD))
        axes.text(14 + (left - 20) / 2, y + heights[row] / 2, "\n".join(textwrap.wrap(words, 17)), size=9.5, weight="bold", color=_INK,
                  ha="center", va="center")
        for column, name in enumerate(columns):
            x, line = left + cell_wide * column, y + 20
            axes.add_patch(_box(x + 3, y, cell_wide - 6, heights[row], _BOX))
            for mechanism, lines in blocks.get((column, row), ()):
                axes.text(x + 14, line, mechanism, size=10.5, weight="bold", color=_LINE, va="center")
                for number, text in enumerate(lines, 1):
                    axes.text(x + 14, line + 17 * number, text, size=9, color=_INK, va="center")
                line += 30 + 17 * len(lines)
            inside = "; ".join(f"{one}: {does}" for one, does in cells.get((column, row), ()))
            said.append(f"{words}, {name}: {inside or 'nothing'}")
        y += heights[row] + 8
    return Picture(picture, f"{title}. {'. '.join(said)}.")


def federation(asked, limit, title):
    """A query that goes to several communities at once, on an axis of time: who answered when, and who had not at the limit.

    asked : (name, seconds until the answer or None if there was none, what came of it), and "in doubt" behind where that tells nothing
    limit : seconds for which each is waited for
    """
    high, top, left, right = 46, 86, 150, 560
    tall = top + high * len(asked) + 62
    picture, axes = canvas(_WIDE, tall)
    end = limit * 1.12
    scale = (right - left) / end
    axes.text(14, 20, title, size=11, weight="bold", color=_INK, va="center")
    axes.text(left, 52, "all are asked at once", size=9, color=_INK, va="center")
    bottom = top + high * len(asked)
    axes.plot([left, left], [64, bottom], color=_INK, lw=1.4)
    axes.plot([left + limit * scale] * 2, [64, bottom], color=_WRONG, lw=1.6, ls=(0, (5, 3)))
    axes.text(left + limit * scale, 52, f"limit: {limit:g} s", size=9, weight="bold", color=_WRONG, ha="center", va="center")
    said = []
    for place, (name, seconds, words, *doubt) in enumerate(asked):
        y = top + high * place
        late = seconds is None or seconds > limit
        wide = (limit if late else seconds) * scale
        axes.text(left - 10, y + 14, name, size=10, weight="bold", color=_INK, ha="right", va="center")
        axes.add_patch(_box(left, y, max(wide, 3), 28, _LATE if late else _DOUBT if doubt else _BAR,
                            hatch="///" if late else "..." if doubt else None))
        told = f"\u2717 no answer: {words}" if late else f"{seconds:g} s: {'? ' if doubt else ''}{words}"
        x = left + max(wide, 3) + 8 if not late else left + limit * scale + 24
        for number, line in enumerate(textwrap.wrap(told, 44 if late else 52)):
            axes.text(x, y + (14 if len(told) < 45 or not late else 6 + 16 * number), line, size=9.5, color=_INK, va="center",
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.2})
        said.append(f"{name}: " + (f"no answer within {limit:g} seconds" if late else f"answered after {seconds:g} seconds") + f", {words}"
                    + (", which tells nothing" if doubt and not late else ""))
    for second in range(0, int(end) + 1):
        x = left + second * scale
        axes.plot([x, x], [bottom + 6, bottom + 11], color=_FAINT, lw=1)
        axes.text(x, bottom + 24, f"{second}", size=9, color=_INK, ha="center", va="center")
    axes.text((left + right) / 2, bottom + 46, "seconds since the query", size=9, color=_INK, ha="center", va="center")
    return Picture(picture, f"{title}. All communities are asked at once; each is waited for {limit:g} seconds. {'; '.join(said)}.")


def _box(x, y, wide, tall, colour, hatch=None):
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), wide, tall, facecolor=colour, edgecolor=_FAINT, lw=0.8, hatch=hatch)
