"""Pictures of an HL7 interface: how fields are counted, what of one message goes where in another, an engine's channels."""

import textwrap

from coursekit.figures.picture import Picture, canvas

_INK, _FAINT, _LINE = "#1c2733", "#5c6873", "#0b5394"
_NAME, _FIELD, _MARK = "#1c2733", "#eef2f6", "#fbe3b5"
_WRONG = "#b3261e"
_STROKES = (("#0b5394", "-"), ("#b45309", (0, (6, 2))), ("#17703c", (0, (2, 2))), ("#7b3fa0", (0, (8, 2, 2, 2))),
            ("#5c6873", (0, (1, 1.5))))
_WIDE = 900


def counted(segments, title, most=9, split=False):
    """Segments with the number of each field below it, as the standard counts them; in MSH the separator is field 1.

    segments : texts as they stand in a message, with `|` between fields
    most     : how many fields of each are drawn
    split    : whether a second line says at which place Python's split("|") has the field
    """
    high = 98 if split else 84
    tall = 48 + high * len(segments)
    picture, axes = canvas(_WIDE, tall)
    axes.text(12, 20, title, size=11, weight="bold", color=_INK, va="center")
    said = []
    for row, (name, fields, more) in enumerate(_counted(segment, most) for segment in segments):
        y = 44 + high * row
        # A character of the fixed-width font at this size takes 8 pixels; an empty field keeps room for its number.
        widths = [max(26, 7.4 * len(text) + 10) for text, _ in fields]
        scale = min(1, (_WIDE - 12 - 68 - 20 - 4 * len(widths)) / sum(widths))
        axes.add_patch(_box(12, y, 52, 30, _NAME))
        axes.text(38, y + 15, name, size=10, weight="bold", color="white", ha="center", va="center", family="monospace")
        axes.text(38, y + 42, "field", size=9, color=_INK, ha="center", va="center")
        if split:
            axes.text(38, y + 60, "split", size=9, color=_FAINT, ha="center", va="center")
        x, told = 68, []
        for number, ((text, mark), width) in enumerate(zip(fields, widths), 1):
            wide = width * scale
            axes.add_patch(_box(x, y, wide, 30, _MARK if mark else _FIELD))
            fits = max(int((wide - 4) / 7.2), 1)
            shown = text if len(text) <= fits else text[:max(fits - 1, 1)] + "…"
            axes.text(x + wide / 2, y + 15, shown, size=8.6, color=_INK, ha="center", va="center", family="monospace")
            axes.text(x + wide / 2, y + 42, str(number), size=9.5, color=_INK, ha="center", va="center",
                      weight="bold" if mark else "normal")
            place = number - (name == "MSH")
            if split:
                axes.text(x + wide / 2, y + 60, f"[{place}]" if place else "gone", size=9, color=_FAINT, ha="center", va="center")
            at = f", at {place} of the split" if split and place else ", swallowed by the split" if split else ""
            told.append(f"{name}-{number} is {text or 'empty'}{at}")
            x += wide + 4
        if more:
            axes.text(x, y + 15, "…", size=11, color=_FAINT, va="center")
        said.append("; ".join(told) + (" and so on" if more else ""))
    return Picture(picture, f"{title}. {'. '.join(said)}.")


def _counted(segment, most):
    """(name, [(field, whether it is a separator of MSH)], whether there are more)."""
    name, *fields = segment.split("|")
    pairs = [(field, name == "MSH" and place == 0) for place, field in enumerate(fields)]
    if name == "MSH":
        pairs.insert(0, ("|", True))
    return name, pairs[:most], len(pairs) > most


def moved(left, right, arrows, title, heads=("", "")):
    """Where each part of one message goes in another: two columns of segments, and an arrow for each part.

    left, right : pairs (name of a segment, what it holds, in words), from the top
    arrows      : (rows at the left, rows at the right, what goes, in words); rows are numbers from 0, several are bracketed together.
                  Each arrow has a colour and a stroke of its own, which its words have too
    """
    tall = 78 + 42 * max(len(left), len(right)) + 22 * len(arrows) + 10
    picture, axes = canvas(_WIDE, tall)
    axes.text(12, 20, title, size=11, weight="bold", color=_INK, va="center")
    for x, entries, head in ((12, left, heads[0]), (588, right, heads[1])):
        axes.text(x, 52, head, size=10, color=_FAINT, va="center")
        for row, (name, words) in enumerate(entries):
            y = 92 + 42 * row
            axes.add_patch(_box(x, y - 13, 48, 26, _NAME))
            axes.text(x + 24, y, name, size=10, weight="bold", color="white", ha="center", va="center", family="monospace")
            axes.add_patch(_box(x + 52, y - 13, 248, 26, _FIELD))
            axes.text(x + 60, y, words, size=9.5, color=_INK, va="center")
    said, bottom = [], 78 + 42 * max(len(left), len(right))
    for number, (here, there, words) in enumerate(arrows):
        colour, dashes = _STROKES[number % len(_STROKES)]
        start = _bracket(axes, here, 318, 1, colour)
        end = _bracket(axes, there, 582, -1, colour)
        axes.annotate("", end, start, arrowprops={
            "arrowstyle": "-|>", "color": colour, "lw": 1.8, "ls": dashes, "shrinkA": 0, "shrinkB": 0})
        y = bottom + 12 + 22 * number
        axes.plot([30, 96], [y, y], color=colour, lw=1.8, ls=dashes)
        axes.text(106, y, words, size=9.5, color=_INK, va="center")
        names = [" and ".join(f"{entries[row][0]} ({entries[row][1]})" for row in rows) for entries, rows in ((left, here), (right, there))]
        said.append(f"{names[0]} to {names[1]}: {words}")
    here, there = (", ".join(name for name, _ in entries) for entries in (left, right))
    return Picture(picture, f"{title}. At the left, {heads[0]}: {here}. At the right, {heads[1]}: {there}. Arrows: {'; '.join(said)}.")


def _bracket(axes, rows, x, side, colour):
    """Where an arrow begins or ends that is about these rows; several get a bracket. `side` is 1 at the left column, -1 at the right."""
    ys = [92 + 42 * row for row in rows]
    if len(rows) == 1:
        return x - 4 * side, ys[0]
    axes.plot([x, x + 8 * side, x + 8 * side, x], [ys[0] - 10, ys[0] - 10, ys[-1] + 10, ys[-1] + 10], color=_INK, lw=1.2)
    return x + 10 * side, sum(ys) / len(ys)


def channels(senders, rows, title):
    """An engine between senders and receivers: its channels with what each takes, does, and has counted, their queues, the error queue.

    senders : names
    rows    : (name of the channel, what its filter takes, what its map does, name of the receiver, ``engine.Counts``)
    """
    high = 104
    tall = max(78 + high * len(rows) + 74, 64 + 42 * len(senders))
    picture, axes = canvas(_WIDE, tall)
    axes.text(12, 20, title, size=11, weight="bold", color=_INK, va="center")
    frame = _box(164, 40, 576, tall - 52, "white", 1.4)
    frame.set_zorder(0)
    axes.add_patch(frame)
    axes.text(452, 54, "the engine shows each message to every channel", size=9.5, color=_FAINT, ha="center", va="center")
    middle = (40 + tall - 12) / 2
    for place, sender in enumerate(senders):
        y = middle + (place - (len(senders) - 1) / 2) * 42
        axes.add_patch(_box(12, y - 15, 110, 30, _FIELD))
        axes.text(67, y, sender, size=10, weight="bold", color=_INK, ha="center", va="center")
        axes.annotate("", (164, y), (124, y), arrowprops={"arrowstyle": "-|>", "color": _LINE, "lw": 1.4})
    receivers, told = {}, []
    errors = sum(counts.errors for *_, counts in rows)
    bottom = tall - 62
    for row, (name, takes, does, to, counts) in enumerate(rows):
        y = 74 + high * row
        axes.text(178, y + 8, f"{name}: received {counts.received}", size=10, weight="bold", color=_INK, va="center")
        for x, wide, head, words in ((178, 176, "filter", takes), (384, 160, "map", does), (574, 150, "queue", f"{counts.queued} waiting")):
            axes.add_patch(_box(x, y + 22, wide, 30, _FIELD))
            shown = textwrap.shorten(f"{head}: {words}", round(wide / 7), placeholder="…")
            axes.text(x + wide / 2, y + 37, shown, size=9.5, color=_INK, ha="center", va="center")
        for start, end in ((354, 384), (544, 574)):
            axes.annotate("", (end, y + 37), (start, y + 37), arrowprops={"arrowstyle": "-|>", "color": _LINE, "lw": 1.4})
        axes.annotate("", (266, y + 74), (266, y + 53), arrowprops={"arrowstyle": "-|>", "color": _FAINT, "lw": 1.2})
        axes.text(266, y + 82, f"{counts.filtered} filtered: dropped, silently", size=9, color=_INK, ha="center", va="center")
        for x, why in ((464, "a step failed"), (649, "refused")):
            axes.annotate("", (x, bottom), (x, y + 53), arrowprops={"arrowstyle": "-|>", "color": _WRONG, "lw": 1.2, "ls": (0, (4, 2))},
                          zorder=0.5)                               # behind the channels below
            axes.text(x + 6, y + 66, why, size=9, color=_INK, va="center")
        receivers.setdefault(to, []).append((y + 37, counts.sent))
        numbers = "   ".join(f"{count_of} {count}" for count_of, count in counts._asdict().items())
        told.append(f"channel {name}, filter {takes}, map {does}, to {to}: {numbers}")
    axes.add_patch(_box(384, bottom, 340, 34, "#fdeaea"))
    axes.text(554, bottom + 17, f"error queue: {errors}, waiting for a person", size=9.5, color=_INK, ha="center", va="center")
    for to, places in receivers.items():
        y = sum(place for place, _ in places) / len(places)
        axes.add_patch(_box(790, y - 15, 98, 30, _FIELD))
        axes.text(839, y, to, size=10, weight="bold", color=_INK, ha="center", va="center")
        for place, sent in places:
            axes.annotate("", (790, y), (724, place), arrowprops={"arrowstyle": "-|>", "color": _LINE, "lw": 1.4})
        axes.text(839, y + 26, f"{sum(sent for _, sent in places)} sent", size=9, color=_INK, ha="center", va="center")
    return Picture(picture, f"{title}. Senders {', '.join(senders)}; every message is shown to every channel: filter, then map, then the "
                   "receiver's queue. What fails in a map, or is refused by a receiver, goes into the error queue, which holds "
                   f"{errors}. {'. '.join(told)}.")


def _box(x, y, width, height, fill, line=0.8):
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), width, height, facecolor=fill, edgecolor=_INK, linewidth=line)
