"""Pictures of medical language: a term in its parts, the organs of the body by system, images in three planes, thumbnails."""

import numpy as np

from coursekit.figures.picture import Picture, canvas, figure

_INK, _FAINT, _LINE = "#1c2733", "#5c6873", "#0b5394"
_FILLS = ("#cfe5f7", "#fbe3b5", "#d9ead3", "#ead1dc", "#e3dcf0", "#f0e8d8")
_TILE, _GAP, _TITLE = 210, 12, 24
_WINDPIPE = 0.527  # where the coronal plane cuts, from front to back as a share of the rows: through the windpipe of the chest CT


def parts(rows, title):
    """Terms or names cut into their parts, each part in a box with its meaning below.

    rows : (the whole, [(part, kind of part, meaning), ...])
    """
    wide, high = 900, 104
    tall = 40 + high * len(rows)
    picture, axes = canvas(wide, tall)
    axes.text(12, 18, title, size=11, weight="bold", color=_INK, va="center")
    said = []
    kinds = list(dict.fromkeys(kind for _, pieces in rows for _, kind, _ in pieces))     # one colour for each kind of part
    for place, (whole, pieces) in enumerate(rows):
        top = 40 + high * place
        axes.text(12, top + 22, whole, size=10 if len(whole) > 20 else 11, color=_INK, va="center")
        width = (wide - 300) / max(len(inside) for _, inside in rows)
        for number, (part, kind, meaning) in enumerate(pieces):
            left = 290 + number * width
            axes.add_patch(_box(left, top, width - 8, 44, _FILLS[kinds.index(kind) % len(_FILLS)]))
            middle, size = left + width / 2 - 4, 9.5 if len(part) > 11 else 11.5
            axes.text(middle, top + 15, part, size=size, weight="bold", color=_INK, ha="center", va="center")
            axes.text(middle, top + 33, kind, size=8.5, color=_FAINT, ha="center", va="center")
            axes.text(middle, top + 52, meaning, size=9.5, color=_LINE, ha="center", va="top")
        said.append(f"{whole}: " + ", ".join(f"{part} ({kind}) is {_flat(meaning)}" for part, kind, meaning in pieces))
    return Picture(picture, f"{title}. {'; '.join(said)}.")


# Where an organ lies in the drawing, from the front: what it is called, its system, centre, half axes.
_ORGANS = (
    ("brain", "nervous", 300, 62, 34, 26), ("pituitary gland", "endocrine", 300, 84, 5, 5),
    ("thyroid gland", "endocrine", 300, 137, 16, 7), ("windpipe", "respiratory", 300, 168, 5, 22),
    ("lungs", "respiratory", 262, 222, 27, 50), ("", "respiratory", 340, 222, 25, 50),
    ("heart", "circulatory", 309, 240, 21, 24), ("liver", "digestive", 272, 300, 40, 21),
    ("gallbladder", "digestive", 280, 322, 7, 8), ("stomach", "digestive", 333, 304, 23, 17),
    ("spleen", "lymphatic", 363, 303, 7, 13),
    ("adrenal glands", "endocrine", 259, 343, 8, 4), ("", "endocrine", 341, 338, 8, 4),
    ("kidneys", "urinary", 259, 363, 12, 18), ("", "urinary", 341, 358, 12, 18),
    ("pancreas", "digestive", 312, 331, 22, 6), ("bowel", "digestive", 300, 390, 34, 30),
    ("uterus", "reproductive", 300, 432, 13, 10), ("bladder", "urinary", 300, 453, 15, 9),
)
_LABELS = {  # on which side of the drawing a label stands, and at which height
    "brain": ("left", 55), "pituitary gland": ("right", 84), "thyroid gland": ("right", 135), "windpipe": ("left", 158),
    "lungs": ("left", 212), "heart": ("right", 214), "liver": ("left", 276), "gallbladder": ("left", 309), "stomach": ("right", 252),
    "spleen": ("right", 283), "adrenal glands": ("left", 344), "kidneys": ("left", 380), "pancreas": ("right", 316),
    "bowel": ("right", 380), "uterus": ("right", 422), "bladder": ("right", 456),
}
_SYSTEM_FILLS = {"nervous": "#e3dcf0", "endocrine": "#f5c26b", "respiratory": "#cfe5f7", "circulatory": "#e8a19a", "digestive": "#d9ead3",
                 "urinary": "#f4ef9f", "reproductive": "#ead1dc", "lymphatic": "#c9c4b8"}


def organs():
    """A person from the front, with the organs that requests name most often, each with its system written beside it."""
    from matplotlib.patches import Ellipse, Polygon

    wide, tall = 600, 500
    picture, axes = canvas(wide, tall)
    style = {"facecolor": "#f7f3ec", "edgecolor": _FAINT, "linewidth": 1.1}
    axes.add_patch(Ellipse((300, 68), 84, 100, **style))
    axes.add_patch(_box(284, 112, 32, 40, "#f7f3ec", 0))
    body = [(284, 150), (222, 168), (214, 240), (226, 330), (220, 400), (216, 480), (384, 480), (380, 400), (374, 330), (386, 240),
            (378, 168), (316, 150)]
    axes.add_patch(Polygon(body, closed=True, **style))
    said = []
    for name, system, x, y, half_width, half_height in _ORGANS:
        axes.add_patch(Ellipse((x, y), 2 * half_width, 2 * half_height, facecolor=_SYSTEM_FILLS[system], edgecolor=_INK, linewidth=0.9))
        if not name:
            continue
        side, height = _LABELS[name]
        end = 176 if side == "left" else 424
        axes.plot((x + (-half_width if side == "left" else half_width) * 0.6, end), (y, height), color=_FAINT, lw=0.8)
        axes.text(end + (-6 if side == "left" else 6), height - 7, name, size=10, weight="bold", color=_INK,
                  ha="right" if side == "left" else "left", va="center")
        axes.text(end + (-6 if side == "left" else 6), height + 7, system, size=9, color=_LINE, ha="right" if side == "left" else "left",
                  va="center")
        said.append(f"{name}: {system}")
    axes.text(150, 488, "the person's right side", size=9, color=_FAINT, ha="center", va="center")
    axes.text(450, 488, "the person's left side", size=9, color=_FAINT, ha="center", va="center")
    return Picture(picture, "A person seen from the front, so that the person's right side is at the left; organs with their systems. "
                   f"{'; '.join(said)}. The adrenal glands sit on top of the kidneys; the pituitary gland hangs below the brain; "
                   "the gallbladder lies under the liver, the bladder low in the pelvis.")


def planes(slices, says):
    """One volume cut in the three planes, each named, with its letters: axial, coronal, sagittal.

    slices : the Datasets of an axial series, in order
    """
    from coursekit.figures.image import Display
    from coursekit.figures.positioning import resliced

    volume = np.stack([Display(ds).grey for ds in slices])
    heights = [float(ds.ImagePositionPatient[2]) for ds in slices]
    upright = volume[::-1] if heights[0] < heights[-1] else volume    # the head goes to the top of the upright planes
    thick = abs(heights[-1] - heights[0]) / (len(slices) - 1)
    steps = round(thick / float(slices[0].PixelSpacing[0]))
    rows, columns = volume.shape[1:]
    row = round(rows * _WINDPIPE)
    coronal = resliced(upright[:, row : row + 1], steps)[:, 0]
    sagittal = resliced(upright[:, :, columns // 2 : columns // 2 + 1], steps)[:, :, 0]
    tiles = (
        ("axial: across, seen from the feet", volume[len(slices) // 2], ("A", "L", "P", "R")),
        ("coronal: seen from the front", coronal, ("H", "L", "F", "R")),
        ("sagittal: seen from the side", sagittal, ("H", "P", "F", "A")),
    )
    return _sheet(tiles, 3, 280, says)


def thumbnails(images, says, columns=4):
    """Images side by side under a letter each, without anything of their headers.

    images : {letter: Dataset or list of Datasets}, of a series the middle one
    says   : {letter: what is to be seen}
    """
    from coursekit.figures.image import Display

    tiles = []
    for letter, image in images.items():
        one = image[len(image) // 2] if isinstance(image, list) else image
        tiles.append((letter, Display(one).grey, ()))
    text = " ".join(f"{letter}: {says[letter]}." for letter in images)
    return _sheet(tiles, columns, _TILE, f"{len(tiles)} images without a label, each with a letter. {text}")


def _sheet(tiles, columns, size, says):
    """Tiles of (title, greys, letters at top, right, bottom and left), `columns` in a row."""
    from matplotlib import patheffects

    outline = [patheffects.withStroke(linewidth=2.4, foreground="black")]
    rows = -(-len(tiles) // columns)
    wide, tall = columns * (size + _GAP) + _GAP, rows * (size + _TITLE + _GAP) + _GAP
    picture = figure(wide, tall, "black")
    for place, (title, grey, letters) in enumerate(tiles):
        x = _GAP + place % columns * (size + _GAP)
        y = _GAP + place // columns * (size + _TITLE + _GAP)
        shown = _fitted(grey, size)
        high, across = shown.shape[:2]
        left, top = x + (size - across) / 2, y + _TITLE + (size - high) / 2
        axes = picture.add_axes([left / wide, 1 - (top + high) / tall, across / wide, high / tall])
        axes.imshow(shown, cmap=None if shown.ndim == 3 else "gray", vmin=0, vmax=255, interpolation="none", aspect="auto")
        axes.set_axis_off()
        picture.text((x + 4) / wide, 1 - (y + _TITLE / 2) / tall, title, color="white", size=11, weight="bold", va="center")
        for letter, (right, down) in zip(letters, ((0.5, 0.04), (0.96, 0.5), (0.5, 0.96), (0.04, 0.5)), strict=False):
            # At the edges of the tile, so that they stand beside an image that does not fill it.
            picture.text((x + right * size) / wide, 1 - (y + _TITLE + down * size) / tall, letter, color="#e8d27a", size=11, weight="bold",
                         ha="center", va="center", path_effects=outline)
    return Picture(picture, says)


def _fitted(grey, size):
    """The image in a square of `size`, by averaging blocks or by repeating the nearest pixel."""
    scale = size / max(grey.shape[:2])
    if scale < 0.5:
        step = int(1 / scale)
        rows, columns = (n // step * step for n in grey.shape[:2])
        grey = grey[:rows, :columns].reshape(rows // step, step, columns // step, step, *grey.shape[2:]).mean(axis=(1, 3)).astype(np.uint8)
        scale = size / max(grey.shape[:2])
    rows, columns = (max(1, int(n * scale)) for n in grey.shape[:2])
    return grey[np.minimum((np.arange(rows) / scale).astype(int), grey.shape[0] - 1)][
        :, np.minimum((np.arange(columns) / scale).astype(int), grey.shape[1] - 1)]


def _flat(text):
    return " ".join(text.split())


def _box(x, y, width, height, fill, line=1):
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), width, height, facecolor=fill, edgecolor=_INK, linewidth=line)
