"""Quality control on slides: Pareto, intervals, funnel plot, control charts for shares and for single values.

All of them take plain data (dictionaries, lists of tuples) and reckon their own limits. Shares are counts out of a count, drawn in percent.
"""

import itertools
import math
import numbers

from coursekit.errors import CourseError
from coursekit.figures.picture import Picture, figure

INK, FAINT, LINE, WARN, BAND = "#1a1a1a", "#6b7783", "#0b5394", "#a61c00", "#eaf2fa"
SIZE = 9.5
MOVING_RANGE = 2.66          # 3 / 1.128: three standard deviations from the mean of moving ranges of two (Shewhart; NIST handbook 6.3.2.2)


def share_limits(centre, n, sigma=3):
    """The limits of a share around `centre` when `n` are looked at: (low, high), both from 0 to 1.

    The normal approximation, centre +- sigma * sqrt(centre (1 - centre) / n), as in a p-chart (NIST/SEMATECH e-Handbook 6.3.3.2) and in a
    funnel plot (Spiegelhalter, Statistics in Medicine 24, 2005).
    """
    spread = sigma * math.sqrt(centre * (1 - centre) / n)
    return max(0.0, centre - spread), min(1.0, centre + spread)


def pareto(counts, title="", unit="rejects"):
    """A Pareto chart: how often each reason was given, the most frequent first, and what they make together.

    counts : {reason: count}, or anything with `items()` such as a Series
    """
    counts = {str(name): _whole(count, "a count") for name, count in counts.items()}
    total = sum(counts.values())
    if not total:
        raise CourseError("There is nothing to draw: all counts are zero.")
    names = sorted(counts, key=lambda name: -counts[name])
    shares, so_far = [], 0
    for name in names:
        so_far += counts[name]
        shares.append(100 * so_far / total)
    picture = figure(860, 420)
    axes = picture.add_axes((0.075, 0.26, 0.85, 0.62))
    places = range(len(names))
    axes.bar(places, [counts[name] for name in names], color=LINE, width=0.72)
    for place, name in enumerate(names):
        inside = place == 0 and 12 * counts[name] > total          # where the line begins, the number stands in the bar
        axes.annotate(f"{counts[name]:,}", (place, counts[name]), (0, -16 if inside else 3), textcoords="offset points", ha="center",
                      size=SIZE, color="white" if inside else INK)
    axes.set_ylabel(unit, color=INK)
    axes.set_ylim(0, 1.06 * total)                             # the same scale twice: all of them are 100 %
    axes.set_xticks(places, names, rotation=28, ha="right", size=SIZE)
    right = axes.twinx()
    right.plot(places, shares, color=WARN, lw=1.8, marker="o", markersize=5)
    right.set_ylim(0, 106)
    right.set_yticks(range(0, 101, 20))
    right.set_ylabel("together, in % of all (line)", color=INK)
    _plain(axes, title)
    right.spines["top"].set_visible(False)
    told = ", ".join(f"{name} {counts[name]:,} (together {share:.0f} %)" for name, share in zip(names, shares))
    return Picture(picture, f"{title or 'Pareto chart'}: of {total:,} {unit}, {told}.")


def intervals(rows, title="", unit="exposures", least=None, level=None):
    """A share with its interval for each row, as a point on a line, in the order given.

    rows  : list of (name, low, share, high, n), shares from 0 to 1
    least : rows with fewer than so many are drawn open and dashed
    level : a share, from 0 to 1, at which a line stands, such as an action level
    """
    rows = [(str(name), *(_share(one) for one in three), _whole(n, unit)) for name, *three, n in rows]
    picture = figure(860, 110 + 27 * len(rows))
    height = picture.get_figheight() * 100
    axes = picture.add_axes((0.25, 55 / height, 0.70, 1 - 95 / height))
    if level is not None:
        axes.axvline(100 * _share(level), color=WARN, lw=1.4, ls="--", zorder=1)
        axes.annotate(f"{100 * level:g} %", (100 * level, -0.6), (4, -2), textcoords="offset points", size=SIZE, color=WARN, va="top")
    for place, (name, low, share, high, n) in enumerate(rows):
        few = least is not None and n < least
        axes.plot((100 * low, 100 * high), (place, place), color=FAINT if few else LINE, lw=2, ls=":" if few else "-")
        axes.plot((100 * share,), (place,), marker="o", markersize=7, color=FAINT if few else LINE,
                  markerfacecolor="white" if few else LINE, clip_on=False, zorder=3)
    axes.set_yticks(range(len(rows)), [f"{name}  (n = {n:,})" for name, *_, n in rows], size=SIZE)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.set_xlabel("% rejected" + (f"; open and dotted: fewer than {least} {unit}" if least is not None else ""), color=INK, size=SIZE)
    _plain(axes, title)
    told = "; ".join(f"{name} {100 * share:.1f} % ({100 * low:.1f} to {100 * high:.1f}, n = {n:,})" for name, low, share, high, n in rows)
    line = f" A line stands at {100 * level:g} %." if level is not None else ""
    return Picture(picture, f"{title or 'Shares with intervals'}: {told}.{line}")


def funnel(rows, centre=None, sigma=(2, 3), name=True, title="", unit="exposures"):
    """A funnel plot: the share of each row against its size, with limits that narrow as the size grows.

    rows   : list of (name, n, events)
    centre : the share that the funnel stands around, from 0 to 1; the default is that of all rows together
    sigma  : the limits that are drawn, in standard deviations; the last one decides
    name   : whether the rows beyond the last limit are named
    """
    rows = _counted(rows)
    centre = _centre(rows) if centre is None else _share(centre)
    largest = max(n for _, n, _ in rows)
    sizes = [largest * 1.08 * step / 200 for step in range(2, 201)]
    top = 1.25 * max([events / n for _, n, events in rows] + [share_limits(centre, max(largest / 10, 1), sigma[-1])[1]])
    picture = figure(860, 430)
    axes = picture.add_axes((0.085, 0.13, 0.83, 0.77))
    axes.axhline(100 * centre, color=INK, lw=1.2)
    axes.text(sizes[-1], 100 * centre, f" {100 * centre:.1f} %", size=SIZE, color=INK, va="center", clip_on=False)
    for one in sigma:
        low, high = zip(*(share_limits(centre, size, one) for size in sizes))
        style = "-" if one == sigma[-1] else "--"
        flat = sum(value == 0 for value in low)                     # where the lower limit is cut off at 0 it's not drawn along the axis
        for edge, start in ((low, max(0, flat - 1)), (high, 0)):
            axes.plot(sizes[start:], [100 * value for value in edge[start:]], color=LINE, lw=1.4, ls=style)
        axes.text(sizes[-1], 100 * high[-1], f" {one:g} SD", size=SIZE, color=LINE, va="center", clip_on=False)
    beyond = {"above": [], "below": []}
    for label, n, events in rows:
        side = _side(events / n, share_limits(centre, n, sigma[-1]))
        if side:
            beyond[side].append(f"{label} ({100 * events / n:.1f} % of {n:,})")
        told = side and name
        axes.plot((n,), (100 * events / n,), ls="", marker="D" if told else "o", markersize=8 if told else 6, color=WARN if told else INK,
                  alpha=1 if told else 0.65, clip_on=False, zorder=3)
        if told:
            axes.annotate(label, (n, 100 * events / n), (8, 4 if side == "above" else 7), textcoords="offset points", size=SIZE,
                          color=WARN, weight="bold")
    axes.set_xlim(0, largest * 1.08)
    axes.set_ylim(0, 100 * top)
    axes.set_xlabel(unit, color=INK)
    axes.set_ylabel("% rejected", color=INK)
    _plain(axes, title)
    says = f"{title or 'Funnel plot'}: {len(rows)} points around {100 * centre:.1f} %, sizes from {min(n for _, n, _ in rows):,} to " \
        f"{largest:,} {unit}. The limits narrow to the right."
    if name:
        says += "".join(f" {side.capitalize()} the limit of {sigma[-1]:g} standard deviations: {', '.join(found) or 'none'}."
                        for side, found in beyond.items())
    return Picture(picture, says)


def p_chart(rows, baseline=None, centre=None, sigma=3, verdict=True, title=""):
    """A p-chart: a share over time, with limits that follow the size of each period.

    rows     : list of (period, n, events), in order of time
    baseline : the centre is the share of the first so many rows; the default is all
    centre   : the share expected in each row, a list (for seasons), or one share for all; then `baseline` does not count
    verdict  : whether the points beyond the limits are marked and told
    """
    rows = _counted(rows)
    if centre is None:
        centre = _centre(rows[:baseline])
    centres = [_share(centre)] * len(rows) if isinstance(centre, numbers.Real) else [_share(one) for one in centre]
    if len(centres) != len(rows):
        raise CourseError(f"{len(rows)} periods need {len(rows)} expected shares; you gave {len(centres)}.")
    limits = [share_limits(expected, n, sigma) for expected, (_, n, _) in zip(centres, rows)]
    shares = [events / n for _, n, events in rows]
    picture, axes = _chart([label for label, *_ in rows], baseline, [100 * share for share in shares],
                           [100 * one for one in centres], [(100 * low, 100 * high) for low, high in limits], verdict, title)
    axes.set_ylim(0, 112 * max([high for _, high in limits] + shares + [0.01]))
    axes.set_ylabel("% rejected", color=INK)
    spread = f"{100 * min(centres):.1f} %" + (f" to {100 * max(centres):.1f} %" if max(centres) - min(centres) > 0.0005 else "")
    says = f"{title or 'p-chart'}: {len(rows)} periods from {rows[0][0]} to {rows[-1][0]}, expected {spread}, observed " \
        f"{100 * min(shares):.1f} to {100 * max(shares):.1f} %, limits of {sigma:g} standard deviations that follow each period's size."
    return Picture(picture, says + (_told([label for label, *_ in rows], shares, limits) if verdict else ""))


def single_values(rows, baseline=None, verdict=True, title="", unit="", running=1, span=None):
    """A control chart of single values: mean +- 2.66 x the mean moving range.

    rows     : list of (period, value), in order of time
    baseline : mean and moving range are those of the first so many rows; the default is all
    verdict  : whether the points beyond the limits are marked and told
    running  : points are marked and told where so many or more in a row lie beyond the same limit
    span     : (lowest, highest) of the scale, for charts that are to be compared; the default fits the values
    """
    rows = [(str(label), _number(value)) for label, value in rows]
    known = [value for _, value in rows[:baseline]]
    if len(known) < 2:
        raise CourseError("A moving range needs at least two values.")
    mean = sum(known) / len(known)
    spread = MOVING_RANGE * sum(abs(b - a) for a, b in zip(known, known[1:])) / (len(known) - 1)
    limits = [(mean - spread, mean + spread)] * len(rows)
    values = [value for _, value in rows]
    picture, axes = _chart([label for label, _ in rows], baseline, values, [mean] * len(rows), limits, verdict, title, running)
    axes.set_ylabel(unit, color=INK)
    if span:
        axes.set_ylim(*span)
    says = f"{title or 'Control chart of single values'}: {len(rows)} values from {rows[0][0]} to {rows[-1][0]}, {min(values):.4g} to " \
        f"{max(values):.4g} {unit}, around {mean:.4g} with limits {mean - spread:.4g} and {mean + spread:.4g}."
    told = _told([label for label, _ in rows], values, limits, running) if verdict else ""
    return Picture(picture, says.replace(" ,", ",") + told)


def _chart(labels, baseline, values, centres, limits, verdict, title, running=1):
    """Values over time with centre line and limits as steps: (matplotlib Figure, Axes)."""
    picture = figure(860, 400)
    axes = picture.add_axes((0.10, 0.20, 0.865, 0.69))
    places = range(len(values))
    edges = [place - 0.5 for place in places] + [len(values) - 0.5]

    def steps(heights, **style):
        axes.step(edges, [*heights, heights[-1]], where="post", **style)

    if baseline:
        axes.axvspan(-0.5, baseline - 0.5, color=BAND, zorder=0)
        axes.text(-0.3, 0.985, "baseline", transform=axes.get_xaxis_transform(), size=SIZE, color=FAINT, va="top", zorder=4,
                  bbox={"facecolor": BAND, "edgecolor": "none", "pad": 1})
    axes.text(1, 1.02, "line: expected; dashed: limits", transform=axes.transAxes, size=SIZE, color=LINE, ha="right", va="bottom")
    steps(centres, color=INK, lw=1.2)
    for side in (0, 1):
        steps([one[side] for one in limits], color=LINE, lw=1.4, ls="--")
    axes.plot(places, values, color=FAINT, lw=1.2, zorder=2)
    for place, (value, side) in enumerate(zip(values, _sides(values, limits, running))):
        out = verdict and side
        axes.plot((place,), (value,), marker="D" if out else "o", markersize=8 if out else 5, color=WARN if out else INK, zorder=3)
    every, upright = max(1, -(-len(values) // 36)), len(values) > 18
    axes.set_xticks(places[::every], labels[::every], rotation=90 if upright else 40, ha="center" if upright else "right", size=9)
    if upright and max(map(len, labels)) > 8:
        axes.set_position((0.10, 0.23, 0.865, 0.66))        # whole dates need more room than months
    axes.set_xlim(-0.5, len(values) - 0.5)
    _plain(axes, title)
    return picture, axes


def _told(labels, values, limits, running=1):
    """Which periods lie beyond their limits, as a sentence."""
    out = {"above": [], "below": []}
    for label, side in zip(labels, _sides(values, limits, running)):
        if side:
            out[side].append(label)
    row = f", {running} or more in a row" if running > 1 else ""
    return "".join(f" {side.capitalize()} the limits{row}: {', '.join(found) or 'none'}." for side, found in out.items())


def _sides(values, limits, running):
    """For each value 'above' or 'below' when it is one of `running` or more in a row beyond the same limit, else None: a list."""
    sides = []
    for side, run in itertools.groupby(map(_side, values, limits)):
        length = len(list(run))
        sides += [side if length >= running else None] * length
    return sides


def _side(value, limits):
    """'above' or 'below' when the value lies beyond the limits, else None."""
    return "above" if value > limits[1] else "below" if value < limits[0] else None


def _centre(rows):
    return sum(events for _, _, events in rows) / sum(n for _, n, _ in rows)


def _counted(rows):
    """(name, n, events) as text and whole numbers; rows with n = 0 are left out. Raises CourseError."""
    found = [(str(name), _whole(n, "n"), _whole(events, "the events")) for name, n, events in rows]
    wrong = next((name for name, n, events in found if events > n), None)
    if wrong:
        raise CourseError(f"{wrong}: more events than were looked at. The rows are (name, n, events).")
    found = [row for row in found if row[1]]
    if not found:
        raise CourseError("There is nothing to draw: no row with n above zero.")
    return found


def _whole(value, what):
    number = _number(value)
    if number < 0 or number != int(number):
        raise CourseError(f"{what} is a whole number from 0; {value!r} is not.")
    return int(number)


def _share(value):
    number = _number(value)
    if not 0 <= number <= 1:
        raise CourseError(f"A share is a number from 0 to 1, such as 0.08; {value!r} is not.")
    return number


def _number(value):
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise CourseError(f"A number is expected here; {value!r} is none.")
    return float(value)


def _plain(axes, title):
    axes.set_title(title, size=11, loc="left", color=INK)
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
