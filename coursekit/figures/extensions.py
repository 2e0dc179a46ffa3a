"""Pictures of local extensions: where Z segments stand in a message, whom a new text of a specification breaks, and which way an engine
sent each message."""

from coursekit.figures.packets import arrow
from coursekit.figures.picture import Picture, canvas
from coursekit.standards import hl7

_INK, _FAINT, _BOX, _LOCAL, _LINE = "#1c2733", "#5c6873", "#e9edf1", "#fbe3b5", "#b45309"
_STEP, _LEFT, _ROW = 64, 190, 84


def segment_rows(rows, title):
    """The segments of messages as boxes, a row for each message; those that begin with Z are dashed and have a Z flag.

    rows : list of (label, names of segments, groups), where groups is a list of (first, last, name): places in the row, from 0
    """
    from matplotlib.patches import Rectangle

    longest = max(len(names) for _, names, _ in rows)
    wide, tall = max(_LEFT + _STEP * longest + 16, 640), 54 + _ROW * len(rows) + 56
    picture, axes = canvas(wide, tall)
    axes.text(12, 20, title, size=11, weight="bold", color=_INK, va="center")
    said = []
    for number, (label, names, groups) in enumerate(rows):
        y = 48 + _ROW * number
        axes.text(12, y + 16, label, size=10, color=_INK, va="center")
        for place, name in enumerate(names):
            local = name.startswith("Z")
            x = _LEFT + _STEP * place
            axes.add_patch(Rectangle((x, y), _STEP - 10, 32, facecolor=_LOCAL if local else _BOX, edgecolor=_LINE if local else _INK,
                                     lw=1.8 if local else 1, ls="--" if local else "-"))
            axes.text(x + (_STEP - 10) / 2, y + 16, name, size=11, weight="bold" if local else "normal", color=_INK, ha="center",
                      va="center")
        for first, last, group in groups:
            x, end = _LEFT + _STEP * first, _LEFT + _STEP * (last + 1) - 10
            axes.plot((x, x, end, end), (y + 38, y + 43, y + 43, y + 38), color=_FAINT, lw=1.2)
            axes.text((x + end) / 2, y + 55, group, size=9, color=_FAINT, ha="center", va="center")
        inside = "; ".join(f"group {group}: {' '.join(names[first:last + 1])}" for first, last, group in groups)
        said.append(f"{label}: {' '.join(names)}" + (f" ({inside})" if inside else ""))
    y = 48 + _ROW * len(rows) + 8
    axes.add_patch(Rectangle((12, y), 30, 16, facecolor=_LOCAL, edgecolor=_LINE, lw=1.8, ls="--"))
    axes.text(50, y + 8, "dashed: a Z segment, local. Brackets: groups of the standard's message structure.", size=9.5, color=_INK,
              va="center")
    axes.text(50, y + 30, "Behind the last bracket: what such a segment belongs to, only its agreement says.", size=9.5,
              color=_INK, va="center")
    return Picture(picture, f"{title}. {'. '.join(said)}. The segments that begin with Z are local. What one behind the last group belongs "
                            "to, only its agreement says.")


def two_texts(title="What the old and the new text of a specification allow"):
    """Two sets that overlap, what the old text allows and what the new one does, and who is at fault in each part."""
    from matplotlib.patches import FancyBboxPatch

    wide, tall = 900, 330
    picture, axes = canvas(wide, tall)
    axes.text(12, 20, title, size=11, weight="bold", color=_INK, va="center")
    sets = (30, 74, "-", "the OLD text allows", 46, "left"), (330, 84, "--", "the NEW text allows", 854, "right")
    for x, y, style, name, at, side in sets:
        axes.add_patch(FancyBboxPatch((x, y), 540, 186, boxstyle="round,pad=0,rounding_size=26", facecolor="none", edgecolor=_INK, lw=2,
                                      ls=style))
        axes.text(at, 56, name, size=10.5, weight="bold", color=_INK, va="center", ha=side)
    parts = (
        (180, "allowed only before", "an unchanged SENDER\nmay still send it,\nand is at fault"),
        (450, "allowed before and after", "nobody notices\nanything"),
        (720, "allowed only from now on", "an unchanged RECEIVER\nmay get it, and was\nnever built for it"),
    )
    for x, head, text in parts:
        axes.text(x, 116, head, size=10, color=_FAINT, ha="center", va="center")
        for line, words in enumerate(text.split("\n")):
            axes.text(x, 156 + 24 * line, words, size=11, color=_INK, ha="center", va="center")
    axes.text(12, 300, "Nothing on the left: senders are safe. Nothing on the right: receivers are safe. Something on both sides: both "
              "break.", size=10, color=_INK, va="center")
    return Picture(picture, f"{title}. Two sets of messages overlap. What only the old text allows: an unchanged sender may still send it, "
                            "and is at fault. What both allow: nobody notices anything. What only the new text allows: an unchanged "
                            "receiver may get it, and was never built for it. Nothing on the left: senders are safe; nothing on the "
                            "right: receivers are safe; something on both sides: both break.")


def through_engine(engine, title="What came of each message"):
    """Senders on the left, an engine, receivers on the right; a row for each message that it received, with the answers, what the engine
    changed in it, or where it ended.

    engine : a `systems.engine.Engine`, whose journal is read
    """
    from matplotlib.patches import Rectangle

    rows, waits, came = [], {}, {}               # rows: [sender, message, answer to the sender, [[receiver, answer, changed], ...]]
    for event in engine.journal:
        if event.target == engine.name and event.what != "ACK":
            rows.append([event.source, f"{event.what} {event.detail}", "", []])
            came[rows[-1][1]] = event.data
        elif event.source == engine.name and event.what != "ACK":
            to = [event.target, "", _changed(came.get(f"{event.what} {event.detail}"), event.data)]
            next(row for row in rows if row[1] == f"{event.what} {event.detail}")[3].append(to)
            waits[event.target] = to
        elif event.source == engine.name:
            next(row for row in reversed(rows) if row[0] == event.target and not row[2])[2] = event.detail.split()[0]
        elif event.source in waits:
            waits[event.source][1] = event.detail.split()[0]
    wide, row_tall = 900, 74
    lines = [(row, to) for row in rows for to in row[3] or [None]]
    tall = 70 + row_tall * len(lines)
    picture, axes = canvas(wide, tall)
    axes.text(12, 20, title, size=11, weight="bold", color=_INK, va="center")
    axes.add_patch(Rectangle((390, 44), 130, tall - 56, facecolor=_BOX, edgecolor=_INK, lw=1))
    axes.text(455, 58, engine.name, size=10, weight="bold", color=_INK, ha="center", va="center")
    said = []
    for place, (row, to) in enumerate(lines):
        sender, message, answer, _ = row
        y = 70 + row_tall * place
        _party(axes, 12, y + 12, sender)
        _way(axes, 132, 390, y + 22, message, answer)
        if to is None:
            axes.text(455, y + 22, "\u2717 filtered", size=11, weight="bold", color=_LINE, ha="center", va="center")
            said.append(f"{message} of {sender}, answered {answer}: filtered, it goes nowhere")
        else:
            axes.text(455, y + (14 if to[2] else 22), "passes", size=11, color=_INK, ha="center", va="center")
            if to[2]:
                axes.text(455, y + 34, f"{to[2]} changed", size=10, color=_INK, ha="center", va="center")
            _way(axes, 520, 768, y + 22, message, to[1])
            _party(axes, 768, y + 12, to[0])
            changed = f"{to[2]} changed, " if to[2] else ""
            said.append(f"{message} of {sender}, answered {answer}: passes, {changed}goes to {to[0]}, which answers {to[1]}")
    return Picture(picture, f"{title}. {engine.name} received {len(rows)} messages. {'. '.join(said)}.")


def _changed(before, after):
    """The one field in which a message left otherwise than it came, such as "PID-5", the number of fields where there are more, or ""."""
    if not (isinstance(before, hl7.Message) and isinstance(after, hl7.Message)):
        return ""
    old, new = hl7.parts(before), hl7.parts(after)
    places = {place.split(".")[0] for place in {**old, **new} if old.get(place) != new.get(place)}
    return f"{len(places)} fields" if len(places) > 1 else "".join(places)


def _party(axes, x, y, name):
    from matplotlib.patches import Rectangle
    axes.add_patch(Rectangle((x, y), 120, 34, facecolor="white", edgecolor=_INK, lw=1))
    axes.text(x + 60, y + 17, name, size=10, weight="bold", color=_INK, ha="center", va="center")


def _way(axes, start, end, y, message, answer):
    """A message from left to right, and under it the dashed answer; one that refuses is thick."""
    arrow(axes, start, end, y, message, "white", back=False)
    if answer:
        refuses = answer[1:] != "A"
        arrow(axes, end, start, y + 22, ("\u2717 " if refuses else "") + f"ACK {answer}", "white", back=True, bold=refuses)
