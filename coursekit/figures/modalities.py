"""Pictures of the modalities: several images side by side, calibrated regions of an ultrasound image, and a fusion."""

import html
from typing import NamedTuple

import numpy as np

from coursekit.errors import CourseError
from coursekit.figures.image import ANNOTATION, Display, _png, _to_screen
from coursekit.figures.picture import Picture, Viewer, figure

GAP, HEAD = 10, 26  # screen pixels between tiles, and for the label above each
SIDE = 560  # screen pixels that the fusion with the slider takes, at most, unless it has more
COLOURS = "inferno"  # of the upper image of a fusion
DASHES = ("-", "--", ":")


class Tile(NamedTuple):
    """One image of a gallery.

    label  : a few words, written above it
    image  : a Dataset with pixels, or an array
    says   : what is to be seen, for the text
    frame  : the number of the frame that is shown, from 1; the middle one when not given
    window : (center, width); the image's own when not given
    crop   : the part of the image that is shown: (first row, row after the last, first column, column after the last)
    finds  : where `says` leaves the finding to the learner: what a look at the picture finds, for those who can't see it
    """

    label: str
    image: object
    says: str
    frame: int = None
    window: tuple = (None, None)
    crop: tuple = None
    finds: str = ""


def gallery(tiles, columns=4, size=240, describe=False):
    """A picture of several images side by side, each as a workstation shows it.

    tiles   : list of Tile
    columns : how many in a row
    size    : screen pixels of a tile's side
    describe: True for those who can't see the pictures: the text says what a look at them finds, where a tile has that
    """
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    wide, high = columns * (size + GAP) + GAP, rows * (size + HEAD) + GAP
    fig = figure(wide, high, "black")
    for place, tile in enumerate(tiles):
        left, top = GAP + place % columns * (size + GAP), place // columns * (size + HEAD)
        fig.text(left / wide, 1 - (top + HEAD / 2) / high, tile.label, color="white", fontsize=9.5, va="center", weight="bold")
        ax = fig.add_axes([left / wide, 1 - (top + HEAD + size) / high, size / wide, size / high])
        grey = _grey(tile)
        ax.imshow(_to_screen(grey, size)[0], cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
        ax.set_anchor("W")
        ax.set_axis_off()
    texts = [tile.finds if describe and tile.finds else tile.says for tile in tiles]
    said = " ".join(f"{tile.label}: {text}" + ("" if text.endswith(".") else ".") for tile, text in zip(tiles, texts, strict=True))
    return Picture(fig, f"{len(tiles)} image{'s' * (len(tiles) > 1)} side by side. {said}")


def _grey(tile):
    image = tile.image
    if tile.frame is not None:
        frames = image.pixel_array if hasattr(image, "PixelData") else np.asarray(image)
        window = tile.window if tile.window[0] is not None else Display(image).window
        display = Display(frames[tile.frame - 1], *(window or (None, None)))
    else:
        display = Display(image, *tile.window)
    top, bottom, left, right = tile.crop or (0, None, 0, None)
    return display.grey[top:bottom, left:right]


# --- ultrasound


def regions(ds, row=None, says=""):
    """A picture of an ultrasound image with its calibrated regions outlined and numbered in the order of the header.

    row : a row at which a caliper line is drawn
    """
    from matplotlib import patheffects
    from matplotlib.patches import Rectangle

    display = Display(ds)
    high, wide = display.grey.shape[:2]
    fig = figure(wide, high, "black")
    ax = fig.add_axes([0, 0, 1, 1])
    ax.imshow(display.grey, cmap="gray", vmin=0, vmax=255, aspect="auto", interpolation="none")
    ax.set_axis_off()
    outline = [patheffects.withStroke(linewidth=3, foreground="black")]
    told = []
    for number, region in enumerate(ds.SequenceOfUltrasoundRegions):
        left, top, right, bottom = _place(region)
        ax.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, color=ANNOTATION, linewidth=1.5,
                               linestyle=DASHES[number % len(DASHES)], path_effects=outline))  # fmt: skip
        ax.text(left + 5, top + 5, str(number), color=ANNOTATION, fontsize=12, weight="bold", va="top", path_effects=outline)
        told.append(f"region {number}: columns {left} to {right}, rows {top} to {bottom}")
    if row is not None:
        ax.axhline(row, color="white", linewidth=1, linestyle="-.", path_effects=outline)
        ax.text(wide - 8, row - 6, f"row {row}", color="white", fontsize=10, ha="right", path_effects=outline)
        told.append(f"a caliper line at row {row}")
    return Picture(fig, f"An ultrasound image of {wide} x {high} pixels. Outlined are {'; '.join(told)}. {says}")


def _place(region):
    return tuple(int(region[keyword].value) for keyword in (
        "RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1"))  # fmt: skip


# --- fusion


def onto(below, above):
    """The values of `above` at the pixels of `below`: an array; both are transverse slices in one frame of reference.

    Raises CourseError when the two have no frame of reference in common: their coordinates then have nothing to do with each other.
    """
    if not below.get("FrameOfReferenceUID") or below.FrameOfReferenceUID != above.get("FrameOfReferenceUID"):
        raise CourseError(
            "These two images have no Frame of Reference UID (0020,0052) in common, so nobody knows where one lies on the other."
        )
    values = above.pixel_array * float(above.get("RescaleSlope", 1)) + float(above.get("RescaleIntercept", 0))
    places = []
    for axis, count, spacing in ((1, below.Rows, 0), (0, below.Columns, 1)):
        mm = float(below.ImagePositionPatient[axis]) + np.arange(count) * float(below.PixelSpacing[spacing])
        places.append((mm - float(above.ImagePositionPatient[axis])) / float(above.PixelSpacing[spacing]))
    return _bilinear(values, *places)


def _bilinear(values, rows, columns):
    """`values` at all pairs of fractional rows and columns; 0 outside."""
    framed = np.pad(values, 1)
    parts = []
    for at, count in zip((rows, columns), values.shape, strict=True):
        at = np.clip(at + 1, 0, count + 1 - 1e-9)
        parts.append((at.astype(int), at % 1))
    (r, y), (c, x) = parts
    y, x = y[:, None], x[None, :]
    upper = framed[np.ix_(r, c)] * (1 - x) + framed[np.ix_(r, c + 1)] * x
    lower = framed[np.ix_(r + 1, c)] * (1 - x) + framed[np.ix_(r + 1, c + 1)] * x
    return upper * (1 - y) + lower * y


def fusion_viewer(below, above, center=None, width=None, most=None, says=""):
    """A viewer that lays one image over another, with a slider for how much of the upper one is seen.

    below         : the slice beneath (CT, MR), a Dataset
    above         : the slice on top (PET), in the same frame of reference
    center, width : the window of the lower one
    most          : the value of the upper one that gets the brightest colour; its largest when not given
    """
    return FusionViewer(below, above, center, width, most, says)


class FusionViewer(Viewer):
    """What `fusion_viewer` returns. Without widgets it's a picture of three steps of the slider."""

    STEPS = (0, 50, 100)

    def __init__(self, below, above, center=None, width=None, most=None, says=""):
        from matplotlib import colormaps

        values = onto(below, above)
        self.names = below.Modality, above.Modality
        self.says = says
        self._grey = np.repeat(Display(below, center, width).grey[..., None], 3, axis=2).astype(float)
        self._colour = colormaps[COLOURS](np.clip(values / (most or values.max() or 1), 0, 1))[..., :3] * 255

    def __repr__(self):
        return self.picture.__repr__()

    def mixed(self, share):
        """The picture as an array of bytes (rows, columns, 3); `share` of the upper image in percent."""
        return np.round(self._grey * (1 - share / 100) + self._colour * (share / 100)).astype(np.uint8)

    @staticmethod
    def _enlarged(picture):
        factor = max(1, SIDE // picture.shape[0])
        return np.repeat(np.repeat(picture, factor, axis=0), factor, axis=1)

    @property
    def picture(self):
        """Three steps of the slider side by side, for where there are no widgets."""
        size = 300
        wide, high = len(self.STEPS) * (size + GAP) + GAP, size + HEAD + GAP
        fig = figure(wide, high, "black")
        below, above = self.names
        labels = [f"{above} {share} %" for share in self.STEPS]
        for place, share in enumerate(self.STEPS):
            left = GAP + place * (size + GAP)
            fig.text(left / wide, 1 - HEAD / 2 / high, labels[place], color="white", fontsize=9.5, va="center", weight="bold")
            ax = fig.add_axes([left / wide, GAP / high, size / wide, size / high])
            ax.imshow(self.mixed(share), interpolation="antialiased")
            ax.set_axis_off()
        mixtures = f"in three mixtures: {', '.join(labels)}"
        return Picture(fig, f"A slice of {above} in colour over the {below} slice at the same place, {mixtures}. {self.says}")

    def _widget(self):
        import ipywidgets

        below, above = self.names
        slider = ipywidgets.IntSlider(50, 0, 100, 5, description=f"{above}, %", layout=ipywidgets.Layout(width="520px"))
        picture, state = ipywidgets.HTML(), ipywidgets.HTML()

        def draw(_=None):
            words = f"{slider.value} % {above}, {100 - slider.value} % {below}."
            picture.value = (
                f'<img alt="{html.escape(f"{words} {self.says}")}" '
                f'src="data:image/png;base64,{_png(self._enlarged(self.mixed(slider.value)))}">'
            )
            state.value = f'<div role="status" aria-live="polite">{words}</div>'

        slider.observe(draw, "value")
        draw()
        return ipywidgets.VBox([slider, state, picture])
