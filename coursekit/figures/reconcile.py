"""Pictures of reconciliation: what happened by which clock, and which record a study hangs on."""

from coursekit.figures.picture import Picture, figure

INK, LINE, GREY, WRONG, RIGHT = "#1a1a1a", "#0b5394", "#6b6b6b", "#f6d5c8", "#d3e8d5"


def clocks(events, title):
    """Events in the order in which they happened, each with the time that the clocks concerned showed.

    events : list of (what, UTC, wall clock, the device's clock or ""), times as "HH:MM:SS", in order of time
    """
    row, left = 34, 300
    height = 92 + row * len(events)
    picture = figure(860, height)
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, 860)
    axes.set_ylim(height, 0)
    axes.axis("off")
    axes.text(16, 24, title, size=12, weight="bold", color=INK)
    columns = ((left + 30, "UTC"), (left + 195, "wall clock"), (left + 385, "scanner's clock"))
    for x, head in columns:
        axes.text(x, 58, head, size=10, color=GREY)
    axes.plot((left, left), (70, height - 18), color=LINE, lw=2)
    for number, (what, utc, wall, device) in enumerate(events):
        y = 88 + row * number
        axes.plot(left, y, marker="o", color=LINE, ms=7)
        axes.text(left - 16, y, what, size=10.5, ha="right", va="center", color=INK)
        for (x, _), text in zip(columns, (utc, wall, device)):
            axes.text(x, y, text or "–", size=11, va="center", family="monospace", color=INK if text else GREY)
    told = "; ".join(f"{what}: {utc} UTC, {wall} on the wall" + (f", {device} by the scanner" if device else "")
                     for what, utc, wall, device in events)
    return Picture(picture, f"{title}. From top to bottom in the order in which it happened. {told}.")


def records(before, after):
    """Patient records with what hangs on them, before and after a correction, side by side.

    before, after : list of (record, [what hangs on it], good), where good is False for a record that holds what belongs elsewhere,
        True for one that is as it should be now, and None for neither
    """
    tallest = max(sum(45 + 30 * len(things) for _, things, _ in side) for side in (before, after))
    height = 46 + tallest + 30
    picture = figure(860, height)
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, 860)
    axes.set_ylim(height, 0)
    axes.axis("off")
    said = []
    for x, head, side in ((16, "Before", before), (446, "After", after)):
        axes.text(x, 26, head, size=12, weight="bold", color=INK)
        y, lines = 46, []
        for record, things, good in side:
            fill = {True: RIGHT, False: WRONG, None: "#eeeeee"}[good]
            axes.add_patch(_box(x, y, 398, 26, fill))
            axes.text(x + 8, y + 13, record, size=10, va="center", family="monospace", color=INK)
            for number, thing in enumerate(things):
                middle = y + 43 + 30 * number
                axes.plot((x + 20, x + 20, x + 38), (y + 26, middle, middle), color=LINE, lw=1.4)
                axes.text(x + 44, middle, thing, size=9.5, va="center", color=INK)
            y += 45 + 30 * len(things)
            lines.append(record + (" with " + " and ".join(things) if things else " with nothing"))
        said.append(f"{head}: {'; '.join(lines)}")
    for x, fill, word in ((16, WRONG, "holds what belongs elsewhere"), (256, RIGHT, "as it should be"), (396, "#eeeeee", "nothing to correct")):
        axes.add_patch(_box(x, height - 26, 14, 14, fill))
        axes.text(x + 22, height - 19, word, size=9, va="center", color=INK)
    return Picture(picture, ". ".join(said) + ".")


def _box(left, top, width, height, fill):
    from matplotlib.patches import Rectangle

    return Rectangle((left, top), width, height, facecolor=fill, edgecolor=INK, linewidth=1)
