"""The pictures of lesson hl7-05: how often elements have a value, from the standard to an implementation profile, a door."""

from dataclasses import replace

from coursekit.figures.exchange import exchange
from coursekit.figures.picture import Picture, canvas

_INK, _FAINT, _BAR, _SECOND, _GROUND = "#1c2733", "#5c6873", "#33658a", "#f6d9b8", "#e9edf1"
_ROW, _TOP = 42, 92


def filled(rows, names, title):
    """Two bars for each element: how often it has a value in two lots of messages. A row in which they differ is on another ground.

    rows  : list of (place, its name, per cent in the first lot, per cent in the second), such as ("PID-3.4", "assigning authority", 100, 0)
    names : of the two lots
    """
    wide, tall = 900, _TOP + _ROW * len(rows) + 8
    picture, axes = canvas(wide, tall)
    axes.text(16, 22, title, size=11, weight="bold", color=_INK, va="center")
    for place, (name, fill, hatch) in enumerate(zip(names, (_BAR, _SECOND), ("", "////"))):
        axes.add_patch(_box(330 + 240 * place, 46, 22, 12, fill, hatch))
        axes.text(360 + 240 * place, 52, name, size=9.5, color=_INK, va="center")
    for number, (place, name, *shares) in enumerate(rows):
        y = _TOP + _ROW * number
        if shares[0] != shares[1]:
            axes.add_patch(_box(16, y - 8, wide - 32, _ROW, "#fff4d6", edge="none"))
        axes.plot((16, wide - 16), (y - 8, y - 8), color=_GROUND, lw=1)
        axes.text(16, y + 13, place, size=10, weight="bold", color=_INK, va="center")
        axes.text(112, y + 13, name, size=9.5, color=_INK, va="center")
        for below, (share, fill, hatch) in enumerate(zip(shares, (_BAR, _SECOND), ("", "////"))):
            top = y + 14 * below
            axes.plot((330, 330), (top, top + 11), color=_INK, lw=1)
            if share:
                axes.add_patch(_box(330, top, 4.6 * share, 11, fill, hatch))
            axes.text(336 + 4.6 * share, top + 5.5, f"{share:.1f} %", size=9, color=_INK, va="center")
    said = "; ".join(f"{place} {name}: {first:.1f} and {second:.1f}" for place, name, first, second in rows)
    return Picture(picture, f"{title}. Per cent of messages in which each element has a value, for {names[0]} and for {names[1]}: {said}.")


LEVELS = (
    ("HL7 v2.5.1", "the standard", "ADT^A04: some ten\nfields required,\nnearly everything else\noptional", "R  O  C  B  W  X"),
    ("constrainable profile", "a country, a vendor,\na group of hospitals", "some of it decided,\nsome left to those\nwho will use it",
     "R  RE  O  C  C(a/b)  X"),
    ("implementation profile", "this sender or receiver,\nat this hospital", "everything decided:\na program can test\nevery message",
     "R  RE  C(a/b)  X"),
)


def levels():
    """From the standard by a constrainable to an implementation profile: what is decided at each, and which usages remain."""
    wide, tall, width = 900, 300, 252
    picture, axes = canvas(wide, tall)
    title = "Each level may only narrow what the one before it allows"
    axes.text(16, 22, title, size=11, weight="bold", color=_INK, va="center")
    for place, (name, whose, what, usages) in enumerate(LEVELS):
        x = 16 + 304 * place
        axes.add_patch(_box(x, 52, width, 230, "white"))
        axes.add_patch(_box(x, 52, width, 36, _GROUND))
        axes.text(x + width / 2, 70, name, size=11, weight="bold", color=_INK, ha="center", va="center")
        axes.text(x + width / 2, 116, whose, size=9.5, color=_FAINT, ha="center", va="center")
        axes.text(x + width / 2, 180, what, size=10, color=_INK, ha="center", va="center")
        axes.text(x + width / 2, 236, "usages", size=9, color=_FAINT, ha="center", va="center")
        axes.text(x + width / 2, 258, usages, size=11, weight="bold", color=_INK, ha="center", va="center")
        if place:
            axes.annotate("", (x - 4, 166), (x - 48, 166), arrowprops={"arrowstyle": "-|>", "color": _INK, "lw": 1.6})
    told = "; ".join(f"{name}, {' '.join(whose.split())}: {' '.join(what.split())}; usages {', '.join(usages.split())}"
                     for name, whose, what, usages in LEVELS)
    return Picture(picture, f"{title}. Three boxes, an arrow from each to the next: {told}.")


def at_the_door(events, title):
    """A sequence diagram of a receiver's journal, in which a refused message's answer tells place, code and severity of its errors.

    events : the journal of a `systems.mllp.Listener`
    """
    told = []
    for event in events:
        errors = event.data.segments("ERR") if hasattr(event.data, "segments") else []
        said = "; ".join(f"ERR-2 {error['2']}, ERR-3 {error['3.1']}, ERR-4 {error['4']}" for error in errors)
        told.append(replace(event, detail=f"{event.detail}: {said}" if said else event.detail))
    return exchange(told, title)


def _box(x, y, width, height, fill, hatch="", edge=_INK):
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), width, height, facecolor=fill, edgecolor=edge, linewidth=0.8, hatch=hatch)
