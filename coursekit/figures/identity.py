"""Pictures of patient identity: whose numbers belong together before and after a merge, and what speaks for two records being one."""

import math

from coursekit.figures.picture import Picture, canvas

_INK, _FAINT, _FOR, _AGAINST = "#1c2733", "#5c6873", "#0b5394", "#b45309"
_GROUP, _NUMBER, _GONE = "#eef3f8", "#ffffff", "#f1e4d3"
_LINE, _GAP, _HEAD = 30, 16, 74


def groups(before, after, title, retired=()):
    """Persons as boxes around their numbers, before and after something happened, side by side.

    before, after : list of (name of the person, list of its numbers, texts that begin with the domain); where a person has two numbers of
                    one domain, these are marked as duplicates
    retired       : numbers that are living no more; in `after` they stand in a box of their own, struck through
    """
    sides = (("Before", before, ()), ("After", after, tuple(retired)))
    tallest = max(sum(_LINE * len(numbers) + _GAP + 30 for _, numbers in side) + (_LINE * len(gone) + 34 if gone else 0)
                  for _, side, gone in sides)
    wide, tall = 860, _HEAD + tallest + 12
    picture, axes = canvas(wide, tall)
    axes.text(14, 20, title, size=11.5, weight="bold", color=_INK, va="center")
    said = []
    for left, (head, side, gone) in zip((14, 444), sides):
        axes.text(left, 52, head, size=10.5, weight="bold", color=_INK, va="center")
        y, told = _HEAD, []
        for name, numbers in side:
            height = _LINE * len(numbers) + 30
            _box(axes, left, y, 402, height, _GROUP)
            axes.text(left + 10, y + 14, name, size=9.5, color=_INK, va="center", weight="bold")
            domains = [number.split()[0] for number in numbers]
            double = [number for number, domain in zip(numbers, domains) if domains.count(domain) > 1]
            for place, number in enumerate(numbers):
                _number(axes, left + 14, y + 26 + _LINE * place, number, note="duplicate" if number in double else "")
            y += height + _GAP
            marked = f", of which {' and '.join(double)} are duplicates" if double else ""
            told.append(f"{name} has {' and '.join(numbers) or 'no number'}{marked}")
        if gone:
            axes.text(left + 4, y + 8, "retired: who asks gets an error", size=9.5, color=_INK, va="center", style="italic")
            for place, number in enumerate(gone):
                _number(axes, left + 14, y + 20 + _LINE * place, number, gone=True)
            told.append(f"retired: {' and '.join(gone)}")
        said.append(f"{head}: {'; '.join(told)}")
    return Picture(picture, f"{title}. {'. '.join(said)}.")


def weights(parts, title, review, link):
    """The sum of a match, field by field: each bar begins where the one above ended; two lines stand for the thresholds.

    parts        : list of (field, how it agrees, weight); a weight of 0 is one that is not known
    review, link : the thresholds
    """
    total, ends = 0.0, []
    for _, _, weight in parts:
        ends.append((total, total + weight))
        total += weight
    low = min(0.0, review, *(min(pair) for pair in ends)) - 4
    high = max(link, *(max(pair) for pair in ends)) + 6
    wide, tall, left, right = 860, 136 + 34 * (len(parts) + 1), 250, 60
    picture, axes = canvas(wide, tall)

    def x(value):
        return left + (value - low) / (high - low) * (wide - left - right)

    axes.text(14, 20, title, size=11.5, weight="bold", color=_INK, va="center")
    bottom = 82 + 34 * (len(parts) + 1)
    for value, word in ((review, "review"), (link, "link")):
        axes.plot((x(value), x(value)), (68, bottom), color=_INK, lw=1.3, ls=(0, (5, 3)))
        axes.text(x(value), 56, f"{word} from {value:g}", size=9.5, color=_INK, ha="center", va="center")
    axes.plot((x(0), x(0)), (68, bottom), color=_FAINT, lw=0.8)
    for value in range(5 * math.ceil(low / 5), math.floor(high) + 1, 5):
        axes.plot((x(value), x(value)), (bottom, bottom + 5), color=_FAINT, lw=0.8)
        axes.text(x(value), bottom + 15, f"{value}", size=9, color=_INK, ha="center", va="center")
    axes.text(left - 12, bottom + 15, "points so far", size=9.5, color=_INK, ha="right", va="center")
    said = []
    for place, ((name, how, weight), (start, end)) in enumerate(zip(parts, ends)):
        y = 92 + 34 * place
        axes.text(14, y, name, size=10, color=_INK, va="center", weight="bold")
        axes.text(120, y, how, size=9.5, color=_INK, va="center")
        if weight:
            _bar(axes, x(min(start, end)), y - 9, abs(x(end) - x(start)), 18, weight > 0)
        else:
            axes.plot((x(start),), (y,), marker="o", ms=5, color=_FAINT)
        axes.text(left - 12, y, f"{weight:+.1f}" if weight else "0", size=9.5, color=_INK, ha="right", va="center")
        said.append(f"{name}, {how}: {weight:+.1f}" if weight else f"{name}, {how}: nothing")
    y = 92 + 34 * len(parts)
    axes.plot((14, wide - 14), (y - 17, y - 17), color=_FAINT, lw=0.8)
    verdict = "link" if total >= link else "review" if total >= review else "apart"
    axes.text(14, y + 2, "sum", size=10, color=_INK, va="center", weight="bold")
    axes.plot((x(total),), (y + 2,), marker="D", ms=8, color=_INK)
    axes.text(x(total) + 12, y + 2, f"{total:.1f}: {verdict}", size=10, color=_INK, va="center", weight="bold")
    return Picture(picture, f"{title}. Bars from the top, each beginning where the one above ended. {'; '.join(said)}. "
                            f"The sum is {total:.1f} points; review begins at {review:g}, link at {link:g}: {verdict}.")


def _number(axes, x, y, text, gone=False, note=""):
    _box(axes, x, y, 374, 24, _GONE if gone else _NUMBER, "--" if gone else "-")
    axes.text(x + 8, y + 12, text, size=9.5, color=_INK, va="center", family="monospace")
    axes.text(x + 366, y + 12, note, size=9.5, color=_AGAINST, va="center", ha="right", weight="bold")
    if gone:
        axes.plot((x + 6, x + 12 + 8 * len(text)), (y + 12, y + 12), color=_INK, lw=1.2)


def _box(axes, x, y, width, height, fill, style="-"):
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, y), width, height, facecolor=fill, edgecolor=_FAINT, linewidth=0.9, linestyle=style))


def _bar(axes, x, y, width, height, speaks_for):
    from matplotlib.patches import Rectangle

    colour = _FOR if speaks_for else _AGAINST
    axes.add_patch(Rectangle((x, y), width, height, facecolor=colour if speaks_for else "white", edgecolor=colour, linewidth=1.2,
                             hatch=None if speaks_for else "////"))
