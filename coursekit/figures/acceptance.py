"""Pictures of an acceptance test: which tests find which faulty system, and how long answers took."""

from coursekit.figures.picture import Picture, figure

INK, GREY, RULE, FOUND, MISSED = "#1a1a1a", "#5f6b76", "#c3ccd4", "#0b5394", "#f3e3cf"
_LEFT, _TOP, _CELL, _ROW = 430, 118, 128, 34


def grid(rows, columns, marks, title, legend=("found", "not found"), heads=("", "")):
    """A table of fields that are filled where something is so, and empty where it is not.

    rows, columns : texts
    marks         : {(row, column): True or False}
    legend        : what a filled field means, and an empty one
    heads         : what the rows are, and what the columns are
    """
    wide, tall = _LEFT + _CELL * len(columns) + 24, _TOP + _ROW * len(rows) + 52
    picture = figure(wide, tall)
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, wide), ylim=(tall, 0))
    axes.axis("off")
    axes.text(24, 30, title, size=13, weight="bold", color=INK)
    axes.text(24, _TOP - 14, heads[0], size=10, color=GREY, va="bottom")
    axes.text(_LEFT + 4, 54, heads[1], size=10, color=GREY, va="center")
    for place, column in enumerate(columns):
        axes.text(_LEFT + _CELL * (place + 0.5), _TOP - 14, column, size=10, color=INK, ha="center", va="bottom", linespacing=1.25)
    for line, row in enumerate(rows):
        top = _TOP + _ROW * line
        axes.text(24, top + _ROW / 2, row, size=10.5, color=INK, va="center")
        for place, column in enumerate(columns):
            _field(axes, _LEFT + _CELL * place, top, marks[row, column])
    top = _TOP + _ROW * len(rows) + 14
    for left, mark, word in ((24, True, legend[0]), (224, False, legend[1])):
        _field(axes, left, top, mark, 26, 24)
        axes.text(left + 34, top + 12, word, size=10, color=INK, va="center")
    said = "; ".join(f"{row}: {', '.join(one_line(column) for column in columns if marks[row, column]) or 'none'}" for row in rows)
    what = [f", \"{head}\"," if head else "" for head in heads]
    named = ", ".join(map(one_line, columns))
    return Picture(picture, f"{title}. A table with {len(rows)} rows{what[0]} and the columns{what[1]} {named}. "
                            f"{legend[0].capitalize()}, row by row: {said}.")


def one_line(text):
    """A text without its line ends."""
    return " ".join(text.split())


def _field(axes, left, top, mark, wide=_CELL, tall=_ROW):
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((left + 1, top + 1), wide - 2, tall - 2, facecolor=FOUND if mark else MISSED, edgecolor=RULE, lw=0.8))
    axes.text(left + wide / 2, top + tall / 2, "●" if mark else "–", size=11, color="white" if mark else INK, ha="center", va="center")


def times(values, marks, title, unit="ms", bins=40):
    """A histogram of times with lines at some of them.

    values : times, in `unit`
    marks  : {name: time}, from left to right
    """
    bars, step = 170, 24                                    # pixels: the height of the histogram, and from name to name above it
    wide, tall = 860, 56 + bars + step * len(marks) + 54
    picture = figure(wide, tall)
    axes = picture.add_axes((0.075, 56 / tall, 0.9, bars / tall))
    axes.hist(list(values), bins=bins, color=FOUND, edgecolor="white", linewidth=0.6)
    axes.set_xlabel(f"time until the last response, {unit}", size=10, color=INK)
    axes.set_ylabel("queries", size=10, color=INK)
    axes.tick_params(labelsize=9.5, colors=INK)
    axes.set_xlim(left=0)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    height = axes.get_ylim()[1]
    for place, (name, value) in enumerate(marks.items()):
        top = height * (1 + step * (len(marks) - place - 0.4) / bars)
        axes.plot((value, value), (0, top), color=INK, lw=1.3, ls=("-", "--", ":", "-.")[place % 4], clip_on=False)
        behind = value > 0.8 * max(values)                  # else the text would leave the picture
        axes.annotate(f"{name}: {value:.0f} {unit}", (value, top), (-5 if behind else 5, 0), textcoords="offset points", size=10, color=INK,
                      ha="right" if behind else "left", va="center", annotation_clip=False)
    axes.set_ylim(0, height)
    picture.text(0.028, 1 - 30 / tall, title, size=13, weight="bold", color=INK)
    lines = "; ".join(f"{name} at {value:.0f} {unit}" for name, value in marks.items())
    reach = f"{len(values)} times from {min(values):.0f} to {max(values):.0f} {unit}"
    return Picture(picture, f"{title}. Histogram of {reach}. Lines: {lines}.")
