"""A sequence diagram of what systems said to each other, drawn from the journal of a live system."""

import re
import textwrap

from coursekit.figures.packets import arrow, lifelines
from coursekit.figures.picture import Picture, canvas

ROWS = 40                               # arrows in one diagram; of more, the middle is left out
_INK, _FAINT, _NOTE = "#1c2733", "#5c6873", "#e9edf1"
_ROW, _TOP, _LINE = 34, 78, 16           # from one arrow to the next; to the first; a line below an arrow
# What the names and details of events say: answers, and among them those that refuse
_ANSWER = re.compile(r".*-(RSP|RP|AC|RJ)|ACK\b.*|RSP\b.*|MCCI.*|.* response|soap:Fault|no answer|[1-5]\d\d")
_REFUSAL = re.compile(r"(A[ER]|C[ER])\b.*|(?!0000|FF0|B00)[0-9A-F]{4}H.*|Failure.*|PartialSuccess.*")
_REFUSES = ("A-ASSOCIATE-RJ", "A-ABORT", "soap:Fault", "no answer", "no message")


def exchange(events, title="What was said", first=()):
    """A sequence diagram: a line for each party, in the order in which they appear, and an arrow downwards in time for each event.

    Answers are dashed; what refuses or ends an exchange is thick, of a warmer colour, and has a cross before it.

    events : a `systems.system.Journal`, or anything else whose elements have `source`, `target`, `what` and `detail`
    first  : names of parties that stand on the left, in this order, whenever they appear

    An event within one system stands in a box on its line. Of more than ROWS events the first and last are drawn, and the number between.
    """
    events = list(events)
    left_out = max(len(events) - ROWS, 0)
    if left_out:
        left_out += 1                                           # the line that says so takes a row
    half = ROWS // 2
    shown = events[:half] + [None] * bool(left_out) + events[half + left_out:]
    parties = list(dict.fromkeys(name for event in shown if event is not None for name in (event.source, event.target)))
    parties = [name for name in first if name in parties] + [name for name in parties if name not in first]
    step = max(230, 720 // max(len(parties) - 1, 1)) if len(parties) > 1 else 0
    wide = 200 + step * max(len(parties) - 1, 1)
    x = {name: 100 + step * place if step else wide / 2 for place, name in enumerate(parties)}
    below = [event is not None and _is_long(event, x) for event in shown]
    tall = _TOP + _ROW * max(len(shown), 1) + _LINE * sum(below) + 14
    picture, axes = canvas(wide, tall)
    lifelines(axes, title, x, tall)
    said = []
    for place, event in enumerate(shown):
        y = _TOP + _ROW * place + _LINE * sum(below[:place]) + 21
        if event is None:
            axes.text(wide / 2, y, f"… {left_out} more …", size=9, color=_FAINT, ha="center", va="center",
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 2})
            said.append(f"then {left_out} more")
            continue
        label = event.what + (f"  {event.detail}" if event.detail else "")
        if event.source == event.target:
            axes.text(x[event.source], y - 2, textwrap.shorten(label, 60, placeholder="…"), size=9, color=_INK, ha="center", va="center",
                      bbox={"facecolor": _NOTE, "edgecolor": _FAINT, "pad": 3, "lw": 0.6})
            said.append(f"{event.source}: {label}")
            continue
        start, end = x[event.source], x[event.target]
        refuses, room = _refuses(event), _room(event, x)
        text = _marked(event, event.what if below[place] else label)
        arrow(axes, start, end, y, textwrap.shorten(text, room, placeholder="…"), "white", bool(_ANSWER.fullmatch(event.what)), refuses, refuses)
        if below[place]:                                        # what is too long for one line stands below the arrow
            axes.text((start + end) / 2, y + 5, textwrap.shorten(event.detail, room, placeholder="…"), size=9, color=_INK, ha="center",
                      va="top", weight="bold" if refuses else "normal", bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
        said.append(f"{event.source} to {event.target}: {label}")
    return Picture(picture, f"{title}. Sequence diagram, from the left: {', '.join(parties)}. {'; '.join(said)}." if said
                   else f"{title}. Nothing has happened yet.")


def _refuses(event):
    return event.what in _REFUSES or bool(_ANSWER.fullmatch(event.what) and _REFUSAL.fullmatch(event.detail))


def _marked(event, label):
    return ("\u2717 " if _refuses(event) else "") + label


def _room(event, x):
    """How many signs fit between two parties."""
    return round(abs(x[event.target] - x[event.source]) / (7.6 if _refuses(event) else 7))


def _is_long(event, x):
    """Whether what and detail of an event between two parties do not fit into one line."""
    return event.source != event.target and bool(event.detail) and len(_marked(event, f"{event.what}  {event.detail}")) > _room(event, x)
