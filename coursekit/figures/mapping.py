"""Pictures of an order on its way into a worklist: which field becomes which attribute, and how many steps an order has."""

from coursekit.figures.picture import Picture, canvas

_INK, _FAINT, _LINE = "#1c2733", "#5c6873", "#0b5394"
_TOP_FILL, _STEP_FILL = "#eef3f8", "#fbe9c6"
_ROW, _HEAD = 27, 70


def wires(fields, attributes, title):
    """Two columns with lines between: the fields of a message, and the attributes of the worklist item that they become.

    fields     : (place, value) in the order of the message, such as ("OBR-18", "A2504070011")
    attributes : (tag, name, place) in the order of the item; `place` is the field that it comes from; names that begin with ">" are those
                 inside the Scheduled Procedure Step Sequence, and stand at the end

    Each attribute bears the name of its field, so that no line need be followed.
    """
    top = [one for one in attributes if not one[1].startswith(">")]
    inside = [one for one in attributes if one[1].startswith(">")]
    wide, rows = 1000, max(len(fields), len(attributes) + 1)
    tall = _HEAD + _ROW * rows + 26
    picture, axes = canvas(wide, tall)
    axes.text(12, 20, title, size=11, weight="bold", color=_INK, va="center")
    axes.text(12, 50, "HL7 order", size=10, weight="bold", color=_INK, va="center")
    axes.text(520, 50, "DICOM worklist item", size=10, weight="bold", color=_INK, va="center")
    first = _HEAD + (rows - len(fields)) * _ROW / 2
    places = {}
    for number, (place, value) in enumerate(fields):
        y = first + _ROW * (number + 0.5)
        places[place] = y
        axes.text(12, y, place, size=9, weight="bold", color=_INK, va="center")
        shown = value if len(value) <= 33 else value[:32] + "…"
        axes.text(108, y, shown, size=9, color=_INK, va="center", family="monospace")
        if len(shown) < 28:                                     # a dotted line from a short value to where its line begins
            axes.plot((115 + 8.05 * len(shown), 354), (y, y), color=_FAINT, lw=0.6, ls=":")
    _box(axes, 512, _HEAD, wide - 524, _ROW * len(top), _TOP_FILL)
    low = _HEAD + _ROW * len(top) + 6
    _box(axes, 540, low, wide - 552, _ROW * (len(inside) + 1), _STEP_FILL)
    axes.text(550, low + _ROW / 2, "(0040,0100) Scheduled Procedure Step Sequence: its only item", size=9, style="italic", color=_INK,
              va="center")
    said = []
    for number, (tag, name, place) in enumerate(top + inside):
        within = number >= len(top)
        y = low + _ROW * (number - len(top) + 1.5) if within else _HEAD + _ROW * (number + 0.5)
        left = 550 if within else 522
        axes.text(left, y, tag, size=8.5, color=_INK, va="center", family="monospace")
        axes.text(left + 84, y, name.lstrip("> "), size=9, color=_INK, va="center")
        axes.text(wide - 20, y, f"from {place}", size=8.5, color=_FAINT, va="center", ha="right")
        axes.plot((362, left - 12), (places[place], y), color=_LINE, lw=1, alpha=0.75)
        axes.plot((362,), (places[place],), marker="o", ms=3.5, color=_LINE)
        said.append(f"{name.lstrip('> ')} {tag}{', inside the step sequence,' if within else ''} from {place}")
    return Picture(picture, f"{title}. {'; '.join(said)}.")


def levels(rows, title):
    """A tree from the top down: one row of boxes for each level.

    rows : (name of the level, boxes); a box is (text, number of its box in the level above); in the first row the number does not matter
    """
    wide, step = 900, 82
    tall = 46 + step * len(rows)
    picture, axes = canvas(wide, tall)
    axes.text(12, 20, title, size=11, weight="bold", color=_INK, va="center")
    above, said = [], []
    for depth, (name, boxes) in enumerate(rows):
        y = 46 + step * depth
        axes.text(12, y + 24, name, size=9.5, weight="bold", color=_INK, va="center")
        share = (wide - 190) / len(boxes)
        here = []
        for number, (text, parent) in enumerate(boxes):
            middle = 180 + share * (number + 0.5)
            width = min(share - 14, 330)
            _box(axes, middle - width / 2, y, width, 48, _STEP_FILL if depth == len(rows) - 1 else _TOP_FILL)
            axes.text(middle, y + 24, text, size=9, color=_INK, ha="center", va="center", linespacing=1.4)
            if above:
                axes.plot((above[parent], middle), (y - step + 48, y), color=_INK, lw=1.1)
            here.append(middle)
        above = here
        said.append(f"{name}: " + "; ".join(text.replace(",\n", ", ").replace("\n", ", ") for text, _ in boxes))
    return Picture(picture, f"{title}. A tree of {len(rows)} levels. {'. '.join(said)}.")


def _box(axes, x, y, width, height, fill):
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((x, y), width, height, facecolor=fill, edgecolor=_FAINT, linewidth=0.8))
