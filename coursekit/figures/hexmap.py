"""Bytes as text in the manner of `xxd`, and as a picture in which named fields are marked."""

from coursekit.figures.picture import Picture

WIDTH = 16  # bytes in a row
_LETTER = 0.31  # width of a letter, in cells
_TALL = 1.35  # height of a row, in widths of a cell: a field's number needs room above its first byte
_LINE = 1.1  # height of a line of the legend
_TINTS = ("#cfe5f7", "#fbe3b5", "#cdeed9", "#f6d3e2", "#e3dcf5", "#f3f0c0", "#f8d5c4", "#d7e0e4",
          "#b9e3e6", "#d9c9b4", "#c3cdf0", "#dcebb0")
_INK, _FAINT, _PAPER = "#1c2733", "#6b7783", "#ffffff"


class Hexdump:
    """Bytes as text: the offset in hexadecimal, sixteen bytes a row, and at the right what of them is printable ASCII."""

    def __init__(self, data, start=0, length=None):
        self._data = bytes(data)
        self._start = max(0, start)
        self._end = len(self._data) if length is None else min(len(self._data), self._start + max(0, length))

    def __repr__(self):
        rows = []
        for first in range(self._start, self._end, WIDTH):
            part = self._data[first : min(first + WIDTH, self._end)]
            pairs = [f"{byte:02x}" for byte in part]
            rows.append(f"{first:08x}: {' '.join(pairs[:8]):<23}  {' '.join(pairs[8:]):<23}  {ascii_text(part)}".rstrip())
        return "\n".join(rows) if rows else "(no bytes there)"


def hexdump(data, start=0, length=None):
    """`length` bytes of `data` from the offset `start`, all by default, as a Hexdump, which shows as text."""
    return Hexdump(data, start, length)


def ascii_text(data):
    """Bytes as ASCII, a dot for each that is not printable."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)


def hexmap(data, fields, start=0, title="", fold=False):
    """A picture of bytes with named fields: each field has a frame, a tint and a number; the legend names it.

    data   : bytes
    fields : list of (offset, length, label); offsets as printed at the left
    start  : the offset of the first byte of `data`, when it's a part of a file
    title  : a heading
    fold   : True to leave out the rows in which no field lies, but for one on each side of those that hold one

    Rows that repeat the row above inside one field are left out, as `xxd -a` leaves them out, and marked with a star.
    Returns a Picture; its text lists the place and the first bytes of each field. Raises ValueError for a field outside the data.
    """
    for offset, length, label in fields:
        if length < 1 or offset < start or offset + length > start + len(data):
            raise ValueError(f"the field {label!r} ({offset}, {length}) does not lie in bytes {start} to {start + len(data) - 1}")
    return Picture(_figure(data, fields, start, title, fold), _description(data, fields, start, title))


def _description(data, fields, start, title):
    named = []
    for number, (offset, length, label) in enumerate(fields, 1):
        part = data[offset - start : offset - start + length]
        shown = part[:8].hex(" ") + (" ..." if length > 8 else "")
        named.append(f"{number}, offset {_place(offset, length)}, {label}: {shown}")
    heading = title or f"{len(data)} bytes from offset {start}"
    return f"Hex map: {heading}. " + ("; ".join(named) + "." if named else "No field is marked.")


def _rows(data, owner, fold):
    """The first index of each row to draw; in place of a run of rows that is left out, text that says why."""
    shown = []
    for first in range(0, len(data), WIDTH):
        whole = owner[first : first + WIDTH]
        repeats = first and len(set(whole)) == 1 and (
            data[first : first + WIDTH] == data[first - WIDTH : first] and owner[first - WIDTH : first] == whole
        )
        if fold and not any(number is not None for number in owner[max(0, first - WIDTH) : first + 2 * WIDTH]):
            note = "rows without a field are left out"
        else:
            note = "the same again" if repeats else ""
        if not note:
            shown.append(first)
        elif shown[-1:] != [note]:
            shown.append(note)
    return shown


def _figure(data, fields, start, title, fold):
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    owner = [None] * len(data)  # of each byte, the number of its field
    for number, (offset, length, _) in enumerate(fields):
        for place in range(offset - start, offset - start + length):
            owner[place] = number
    rows = _rows(data, owner, fold)
    row_of = {first: at for at, first in enumerate(rows) if not isinstance(first, str)}
    left, text_at = 3.4, 3.4 + WIDTH + 1.0
    legend_at = text_at + WIDTH * _LETTER + 1.2
    places = [_place(offset, length) for offset, length, _ in fields]
    longest_place = max((len(place) for place in places), default=0)
    longest = longest_place + max((len(field[2]) for field in fields), default=0)
    width = legend_at + 3.0 + longest * _LETTER if fields else legend_at
    height = max(len(rows) * _TALL, len(fields) * _LINE) + (2.6 if title else 1.4)
    unit = 0.265  # inches a cell
    figure = Figure(figsize=(width * unit, height * unit), dpi=110, facecolor=_PAPER)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    top = 2.4 if title else 1.2
    mono = {"family": "monospace", "color": _INK, "va": "center"}
    if title:
        axes.text(0.4, 0.7, title, fontsize=11, color=_INK, va="center", weight="bold")
    for column in range(WIDTH):
        axes.text(left + column + 0.5, top - 0.5, f"+{column:x}", fontsize=7, ha="center", **{**mono, "color": _FAINT})
    small = {**mono, "color": _FAINT, "fontsize": 7}
    axes.text(left - 0.4, top - 0.5, "hex", ha="right", **small)
    if fields:
        axes.text(legend_at + 1.7, top - 0.5, "offset in hex (decimal)", **small)
    for first, at in row_of.items():
        y = top + at * _TALL
        middle = y + 0.9
        axes.text(left - 0.4, middle, f"{start + first:06x}", fontsize=8.5, ha="right", **{**mono, "color": _FAINT})
        for place in range(first, min(first + WIDTH, len(data))):
            x = left + place - first
            number = owner[place]
            if number is not None:
                axes.add_patch(Rectangle((x, y), 1, _TALL, facecolor=_TINTS[number % len(_TINTS)], edgecolor="none"))
                if place == 0 or owner[place - 1] != number:
                    axes.text(x + 0.07, y + 0.3, str(number + 1), fontsize=7, color=_INK, va="center", weight="bold")
                _frame(axes, owner, place, x, y)
            axes.text(x + 0.5, middle, f"{data[place]:02x}", fontsize=8.5, ha="center", **mono)
            mark = {**mono, "color": _INK if number is not None else _FAINT}
            axes.text(text_at + (place - first) * _LETTER, middle, ascii_text(data[place : place + 1]), fontsize=8.5, ha="center", **mark)
    for at, note in enumerate(rows):
        if isinstance(note, str):
            y = top + (at + 0.5) * _TALL
            axes.text(left - 0.4, y, "*", fontsize=8.5, ha="right", **mono)
            axes.text(left + 0.2, y, note, fontsize=7.5, color=_FAINT, va="center", style="italic")
    for number, field in enumerate(fields):
        y = top + number * _LINE
        axes.add_patch(Rectangle((legend_at, y + 0.1), 1.3, _LINE - 0.2, facecolor=_TINTS[number % len(_TINTS)], edgecolor=_INK, lw=0.8))
        axes.text(legend_at + 0.65, y + _LINE / 2, str(number + 1), fontsize=9, ha="center", weight="bold", color=_INK, va="center")
        axes.text(legend_at + 1.7, y + _LINE / 2, f"{places[number]:{longest_place}}  {field[2]}", fontsize=8.5, **mono)
    return figure


def _place(offset, length):
    """Where a field lies, as the rows count and in decimal: "0x1a-0x29 (26-41)"."""
    last = offset + length - 1
    return f"0x{offset:x} ({offset})" if length == 1 else f"0x{offset:x}-0x{last:x} ({offset}-{last})"


def _frame(axes, owner, place, x, y):
    """Lines along the sides of a byte's cell that are the border of its field."""

    def other(neighbour):
        return not 0 <= neighbour < len(owner) or owner[neighbour] != owner[place]

    for drawn, xs, ys in (
        (other(place - 1), (x, x), (y, y + _TALL)),
        (other(place + 1), (x + 1, x + 1), (y, y + _TALL)),
        (other(place - WIDTH), (x, x + 1), (y, y)),
        (other(place + WIDTH), (x, x + 1), (y + _TALL, y + _TALL)),
    ):
        if drawn:
            axes.plot(xs, ys, color=_INK, lw=0.9, solid_capstyle="projecting")
