"""Pictures of a screen with images in tiles, as a hanging protocol lays them out."""

from coursekit.figures.picture import Picture, figure

_FAINT, _WORD, _LETTER, _EDGE = "#9aa7b1", "#f2f4f5", "#f4d35e", "#3c4a55"
_EARLIER = "#5bb8ff"
TALL = 190


def small(grey, tall=TALL):
    """A grey image averaged down to about that many rows."""
    factor = max(1, -(-grey.shape[0] // tall))
    rows, columns = (n // factor * factor for n in grey.shape[:2])
    return grey[:rows, :columns].reshape(rows // factor, factor, columns // factor, factor).mean(axis=(1, 3)).astype("uint8")


def screen(rows, columns, tiles, title, says=""):
    """A screen with rows x columns tiles.

    tiles : row by row; each a dictionary with
        name    what stands above the image, such as "current RCC"
        grey    the image, an array of greys; None for an empty tile
        letters what Patient Orientation says of the left and the right edge, as (left, right); empty when it says nothing
        tells   the image in words, and the day of its study
        earlier whether that study is a prior: what it tells is then written in another colour, which is no more than a help
        mirrored whether the workstation mirrors it
        side    "left" or "right" when the image lies against that edge
        place   where the tile is, if not in the grid: (left, top, right, bottom) from 0 to 1, from the lower left corner
    """
    import numpy as np
    from matplotlib.patheffects import withStroke

    free = any("place" in tile for tile in tiles)
    wide = min(270 if columns < 3 else 220, 880 // columns)
    tall = int(wide * 1.28)
    total = (896, 404) if free else (max(columns * wide + 16, 600), rows * tall + 44)
    picture = figure(*total, background="black")
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, total[0]), ylim=(total[1], 0))
    axes.axis("off")
    axes.text(10, 18, title, size=10, weight="bold", color=_WORD, va="center")
    told = []
    for place, tile in enumerate(tiles):
        left, top = 8 + place % columns * wide, 36 + place // columns * tall
        if "place" in tile:
            corners = tile["place"]
            left, top = 8 + 880 * min(corners[0], corners[2]), 36 + 360 * (1 - max(corners[1], corners[3]))
            wide, tall = 880 * abs(corners[2] - corners[0]), 360 * abs(corners[1] - corners[3])
        axes.add_patch(_box(left, top, wide, tall))
        axes.text(left + 6, top + 11, tile["name"], size=8.5, color=_WORD, va="center")
        said = f"tile {place + 1}, {tile['name']}: "
        if tile["grey"] is None:
            axes.text(left + wide / 2, top + tall / 2, "empty", size=9, color=_FAINT, ha="center", va="center", style="italic")
            told.append(said + "empty")
            continue
        high, across = tile["grey"].shape
        scale = min((wide - 6) / across, (tall - 44) / high)
        across, high = across * scale, high * scale
        # A breast lies against the edge where the chest wall is, everything else in the middle.
        x = left + {"left": 3, "right": wide - 3 - across}.get(tile.get("side"), (wide - across) / 2)
        y = top + 21 + (tall - 44 - high) / 2
        axes.imshow(np.asarray(tile["grey"]), cmap="gray", vmin=0, vmax=255, extent=(x, x + across, y + high, y), aspect="auto",
                    interpolation="bilinear", zorder=1)
        for edge, letter in zip((left + 10, left + wide - 10), tile["letters"]):
            written = axes.text(edge, top + tall / 2, letter, size=10, weight="bold", color=_LETTER, ha="center", va="center", zorder=3)
            written.set_path_effects([withStroke(linewidth=3, foreground="black")])        # readable on the white border of a plate too
        size = 8.5 if len(tile["tells"]) < wide / 7 else 7        # a long word in a narrow tile
        axes.text(left + 6, top + tall - 11, tile["tells"], size=size, color=_EARLIER if tile.get("earlier") else _WORD, va="center")
        mirrored = ", mirrored" if tile.get("mirrored") else ""
        if mirrored:
            axes.text(left + wide - 6, top + 11, "mirrored", size=8.5, weight="bold", color=_LETTER, ha="right", va="center")
        edges = "" if not any(tile["letters"]) else ", orientation unknown" if "?" in tile["letters"] else (
            f", {tile['letters'][0]} at its left edge and {tile['letters'][1]} at its right")
        told.append(said + tile["tells"] + mirrored + edges)
    axes.set(xlim=(0, total[0]), ylim=(total[1], 0))
    return Picture(picture, f"{title}. A screen of {rows} x {columns} tiles, row by row from the top left. {'; '.join(told)}. {says}")


def _box(x, y, width, height):
    from matplotlib.patches import Rectangle

    return Rectangle((x + 1, y + 1), width - 2, height - 2, facecolor="#000000", edgecolor=_EDGE, linewidth=0.8)


def selection(steps, title):
    """How a hanging protocol gets from a patient's images to the screen: boxes from left to right.

    steps : (name, lines of what happens there, the part of the DICOM object where it stands)
    """
    wide, each = 900, 884 // len(steps)
    lines = max(len(what) for _, what, _ in steps)
    tall = 108 + 17 * lines
    picture = figure(wide, tall)
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, wide), ylim=(tall, 0))
    axes.axis("off")
    axes.text(10, 16, title, size=11, weight="bold", color="#1c2733", va="center")
    told = []
    for place, (name, what, where) in enumerate(steps):
        left = 8 + place * each
        box = _box(left, 34, each - 26, tall - 42)
        box.set(facecolor="#e8f1f8", edgecolor="#1c2733")
        axes.add_patch(box)
        axes.text(left + 10, 52, f"{place + 1}  {name}", size=10, weight="bold", color="#1c2733", va="center")
        for number, line in enumerate(what):
            axes.text(left + 10, 74 + 17 * number, line, size=9, color="#1c2733", va="center")
        axes.text(left + 10, tall - 22, where, size=8, color="#5c6873", va="center")
        if place + 1 < len(steps):
            arrow = {"arrowstyle": "-|>", "color": "#0b5394", "lw": 1.6}
            axes.annotate("", (left + each - 3, tall / 2), (left + each - 24, tall / 2), arrowprops=arrow)
        told.append(f"{place + 1} {name}: {' '.join(what)} (in the object: {where})")
    return Picture(picture, f"{title}. From left to right: {'; '.join(told)}.")
