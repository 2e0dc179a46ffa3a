"""Pictures of positioning: a body with its planes and axes, the beam that enlarges, films side by side with their letters."""

import numpy as np

from coursekit.figures.picture import Picture, canvas

_INK, _FAINT, _BLUE, _WARM, _GREEN = "#1c2733", "#5c6873", "#0b5394", "#b45309", "#1b6e4a"
_SKIN, _HEART = "#efe3d6", "#c96a5a"
_NOTE = "#e8d27a"
OPPOSITE = {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H"}


def planes():
    """A body seen from the front, from its left side and from its feet: three planes, six letters, three axes."""
    wide, tall = 960, 494
    picture, axes = canvas(wide, tall)
    for x, heading in ((160, "seen from the front"), (480, "seen from the patient's left side"), (800, "cut across, seen from the feet")):
        axes.text(x, 22, heading, size=11, weight="bold", color=_INK, ha="center", va="center")
    _from_the_front(axes, 160, 80)
    _from_the_side(axes, 480, 80)
    _from_the_feet(axes, 800, 250)
    # At the height of the heart, which the cut at the right shows.
    _cut(axes, (62, 202), (250, 202), _BLUE, "axial", 56, 188)
    _cut(axes, (390, 202), (570, 202), _BLUE, "axial", 392, 188)
    _cut(axes, (160, 70), (160, 408), _GREEN, "sagittal", 166, 402, "left")
    _cut(axes, (480, 70), (480, 408), _WARM, "coronal", 486, 402, "left")
    _cut(axes, (680, 250), (920, 250), _WARM, "coronal", 684, 238, "left")
    _cut(axes, (800, 160), (800, 340), _GREEN, "sagittal", 806, 342, "left")
    _letters(axes, 160, 250, 116, 190, "L", "F")
    _letters(axes, 480, 250, 116, 190, "P", "F")
    _letters(axes, 800, 250, 142, 116, "L", "P")
    axes.text(480, 476, "x grows to the patient's left (L)      y grows to the back, posterior (P)      z grows to the head (H)",
              size=10.5, color=_INK, ha="center", va="center", weight="bold")
    return Picture(picture, """A body in three views, each with a letter at each edge. Seen from the front: head (H) at the top, foot
    (F) at the bottom, the patient's right (R) at the left of the screen, left (L) at the right; a level line marks the axial plane, an
    upright line the sagittal plane. Seen from the patient's left side: the face, anterior (A), to the left, the back, posterior (P), to the
    right; a level line marks the axial plane, an upright line the coronal plane. Cut across and seen from the feet: anterior at the top,
    posterior at the bottom, R at the left, L at the right; a level line marks the coronal plane, an upright line the sagittal plane.
    Beneath: x grows to the patient's left, y to the back, z to the head.""")


def _from_the_front(axes, x, y):
    from matplotlib.patches import Ellipse, Polygon

    style = {"facecolor": _SKIN, "edgecolor": _INK, "linewidth": 1.2}
    half = [(12, 50), (14, 66), (48, 78), (60, 100), (62, 190), (50, 190), (46, 110), (42, 150), (46, 200), (42, 316), (24, 316), (20, 316),
            (6, 214)]
    axes.add_patch(Polygon([(x + a, y + b) for a, b in half] + [(x - a, y + b) for a, b in reversed(half)], **style))
    axes.add_patch(Ellipse((x, y + 26), 44, 56, **style))
    axes.add_patch(Ellipse((x + 9, y + 122), 30, 34, facecolor=_HEART, edgecolor="none", alpha=0.8))
    for side in (-8, 8):
        axes.add_patch(Ellipse((x + side, y + 20), 4, 3, facecolor=_INK))


def _from_the_side(axes, x, y):
    from matplotlib.patches import Ellipse, Polygon

    style = {"facecolor": _SKIN, "edgecolor": _INK, "linewidth": 1.2}
    outline = [(-10, 48), (-14, 72), (-32, 110), (-30, 150), (-34, 190), (-24, 214), (-20, 300), (-36, 316), (16, 316), (22, 230),
               (34, 196), (22, 160), (30, 100), (20, 70), (12, 48)]
    axes.add_patch(Polygon([(x + a, y + b) for a, b in outline], **style))
    axes.add_patch(Ellipse((x, y + 26), 48, 56, **style))
    axes.add_patch(Polygon([(x - 23, y + 22), (x - 31, y + 33), (x - 22, y + 35)], **style))
    axes.add_patch(Ellipse((x - 10, y + 122), 28, 34, facecolor=_HEART, edgecolor="none", alpha=0.8))


def _from_the_feet(axes, x, y):
    from matplotlib.patches import Ellipse

    axes.add_patch(Ellipse((x, y), 220, 150, facecolor=_SKIN, edgecolor=_INK, linewidth=1.2))
    for side in (-52, 52):
        axes.add_patch(Ellipse((x + side, y), 76, 106, facecolor="#d9dee3", edgecolor=_FAINT, linewidth=0.8))
    axes.add_patch(Ellipse((x + 14, y - 22), 58, 46, facecolor=_HEART, edgecolor="none", alpha=0.9))
    axes.add_patch(Ellipse((x, y + 48), 28, 26, facecolor="white", edgecolor=_INK, linewidth=1))


def _cut(axes, start, end, colour, name, x, y, align="left"):
    axes.plot((start[0], end[0]), (start[1], end[1]), color=colour, lw=2, ls=(0, (6, 3)))
    axes.text(x, y, name, size=10, color=colour, ha=align, va="center", weight="bold")


def _letters(axes, x, y, across, down, right, bottom):
    places = ((x + across, y, right), (x - across, y, OPPOSITE[right]), (x, y + down, bottom), (x, y - down, OPPOSITE[bottom]))
    for a, b, letter in places:
        axes.text(a, b, letter, size=13, weight="bold", color="white", ha="center", va="center",
                  bbox={"boxstyle": "circle,pad=0.22", "facecolor": _INK, "edgecolor": "none"})


def beam(cases):
    """The beam from the side: the further the heart lies from the detector, the larger its shadow.

    cases : (title, source to detector in mm, heart to detector in mm), all with a heart of the same width
    """
    wide, row = 900, 200
    picture, axes = canvas(wide, row * len(cases) + 34)
    longest, heart = max(source for _, source, _ in cases), 34
    said = []
    for number, (title, source, away) in enumerate(cases):
        middle = 112 + row * number
        detector, unit = 800, 730 / longest
        tube, organ = detector - source * unit, detector - away * unit
        larger = source / (source - away)
        axes.text(16, middle - 92, title, size=11, weight="bold", color=_INK, va="center")
        for sign in (-1, 1):
            axes.plot((tube, detector), (middle, middle + sign * heart * larger), color=_WARM, lw=1.2)
        axes.plot((tube,), (middle,), marker="o", ms=9, color=_WARM)
        axes.plot((detector, detector), (middle - 76, middle + 76), color=_INK, lw=5)
        axes.plot((organ, organ), (middle - heart, middle + heart), color=_HEART, lw=7, solid_capstyle="round")
        axes.plot((detector + 9,) * 2, (middle - heart * larger, middle + heart * larger), color=_BLUE, lw=4)
        axes.text(organ, middle - heart - 12, "heart", size=10, color=_INK, ha="center", va="center")
        axes.text(tube, middle + 18, "tube", size=10, color=_INK, ha="center", va="center")
        axes.text(detector + 20, middle, f"x {larger:.2f}", size=10.5, color=_BLUE, va="center", weight="bold")
        axes.annotate("", (detector, middle + 84), (tube, middle + 84), arrowprops={"arrowstyle": "<->", "color": _FAINT})
        axes.text((tube + detector) / 2, middle + 74, f"SID {source} mm", size=10, color=_FAINT, ha="center", va="center")
        axes.annotate("", (detector, middle - 62), (organ, middle - 62), arrowprops={"arrowstyle": "<->", "color": _FAINT})
        axes.text(organ - 8, middle - 62, f"OID {away} mm", size=10, color=_FAINT, ha="right", va="center")
        said.append(f"{title}: from tube to detector (SID) {source} mm, from heart to detector (OID) {away} mm, the shadow is "
                    f"{larger:.2f} times as wide as the heart")
    return Picture(picture, f"The beam spreads from the tube past the heart to the detector. {'. '.join(said)}.")


def sheet(films, title, columns=4, size=250):
    """Films side by side on a dark sheet.

    films : (label, grey array, letters, text): the letters of the right and the bottom edge, two letters for oblique ones, or None where
            none are known; the text says what is seen
    """
    rows = -(-len(films) // columns)
    columns = min(columns, len(films))
    high = round(size * 1.2)
    wide, tall = columns * (size + 14) + 14, rows * (high + 36) + 34
    picture, axes = canvas(wide, tall, "#111417")
    axes.text(14, 18, title, size=11, weight="bold", color="white", va="center")
    said = []
    for place, (label, grey, letters, text) in enumerate(films):
        left, top = 14 + place % columns * (size + 14), 60 + place // columns * (high + 36)
        axes.text(left, top - 12, label, size=11, weight="bold", color=_NOTE, va="center")
        _film(axes, grey, left, top, size, high, letters)
        said.append(f"{label}: {text}" + (f"; letters at the edges: {_edges(letters)}" if letters else ""))
    return Picture(picture, f"{title}. {'. '.join(said)}.")


def _edges(letters):
    right, bottom = letters
    return f"right {right}, left {_turned(right)}, bottom {bottom}, top {_turned(bottom)}"


def _turned(letters):
    return "".join(OPPOSITE[letter] for letter in letters)


def _film(axes, grey, left, top, size, high, letters):
    from matplotlib import patheffects

    rows, columns = grey.shape
    scale = min(size / columns, high / rows)
    width, height = columns * scale, rows * scale
    x, y = left + (size - width) / 2, top + (high - height) / 2
    thin = max(1, round(1 / scale / 1.01))
    small = grey[: rows // thin * thin, : columns // thin * thin].reshape(rows // thin, thin, columns // thin, thin).mean(axis=(1, 3))
    axes.imshow(small, cmap="gray", vmin=0, vmax=255, extent=(x, x + width, y + height, y), interpolation="antialiased", aspect="auto",
                zorder=1)
    axes.add_patch(_frame(left, top, size, high))
    if letters:
        right, bottom = letters
        outline = [patheffects.withStroke(linewidth=2.4, foreground="black")]
        style = {"size": 12, "weight": "bold", "color": _NOTE, "zorder": 3, "path_effects": outline}
        axes.text(left + size - 6, top + high / 2, right, ha="right", va="center", **style)
        axes.text(left + 6, top + high / 2, _turned(right), ha="left", va="center", **style)
        axes.text(left + size / 2, top + high - 6, bottom, ha="center", va="bottom", **style)
        axes.text(left + size / 2, top + 6, _turned(bottom), ha="center", va="top", **style)


def _frame(left, top, width, height):
    from matplotlib.patches import Rectangle

    return Rectangle((left, top), width, height, fill=False, edgecolor="#59636e", linewidth=1, zorder=2)


def resliced(stack, steps):
    """A stack of axial slices, head first in the array, with `steps` rows for each slice: in between it is a mixture of the neighbours.

    stack : array (slices, rows, columns), or one plane out of it (slices, rows) or (slices, columns)
    """
    count = len(stack)
    wanted = np.linspace(0, count - 1, (count - 1) * steps + 1)
    lower = np.minimum(wanted.astype(int), count - 2)
    share = (wanted - lower).reshape(-1, *[1] * (stack.ndim - 1))
    return stack[lower] * (1 - share) + stack[lower + 1] * share
