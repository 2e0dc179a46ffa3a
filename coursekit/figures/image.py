"""Images as a workstation shows them, and the way from stored value to grey on the screen.

The steps and their order are those of PS3.4 N.2 and PS3.3 C.7.5.1.1.2 (padding), C.11.1 (modality LUT), C.11.2 (VOI LUT)
and C.7.6.3.1.2 (photometric interpretation).
"""

import base64
import html

import numpy as np

from coursekit.figures.picture import Picture, Viewer, figure

LARGEST = 720  # screen pixels; larger images are averaged down
SMALLEST = 380  # smaller ones are enlarged by a whole factor
INK, ANNOTATION = "#1a1a1a", "#e8d27a"
BLUE, ORANGE = "#0b5394", "#b45309"
MINUS = "\N{MINUS SIGN}"
BINS = 64

PRESETS = {"Brain": (40, 80), "Subdural": (75, 215), "Bone": (500, 2000), "Lung": (-600, 1500)}


class Display:
    """The way of one image's pixels from stored value to screen, step by step.

    stored   : the pixels as they are stored, one frame
    padding  : True where a pixel is padding
    values   : after the modality LUT (Hounsfield units for CT); NaN where padding
    window   : (center, width), the given one, else the image's own, else one that spans the values
    grey     : 0 (black) to 255 (white), as uint8; padding is black
    """

    def __init__(self, image, center=None, width=None):
        self.ds = image if hasattr(image, "PixelData") else None
        array = image.pixel_array if self.ds is not None else np.asarray(image)
        self.colour = array.ndim >= 3 and array.shape[-1] in (3, 4)
        self.frames = array.shape[0] if array.ndim - self.colour == 3 else 1
        self.stored = array[self.frames // 2] if array.ndim - self.colour == 3 else array
        if self.colour:
            self.padding = np.zeros(self.stored.shape[:2], bool)
            self.window, self.grey = None, np.asarray(self.stored[..., :3], np.uint8)
            return
        self.padding = self._padding()
        self.values = self._modality()
        self.unit = self._header("RescaleType", "HU" if self._header("Modality") == "CT" else "")
        self.inverted = self._header("PhotometricInterpretation") == "MONOCHROME1"
        self.function = self._header("VOILUTFunction", "LINEAR") or "LINEAR"
        self.own_window = self._own_window()
        self.window = self._window(center, width)
        self.grey = self.grey_with(*self.window)

    def _header(self, keyword, default=None):
        value = self.ds.get(keyword) if self.ds is not None else None
        return default if value in (None, "") else value

    def _padding(self):
        first, last = self._header("PixelPaddingValue"), self._header("PixelPaddingRangeLimit")
        if first is None:
            return np.zeros(self.stored.shape, bool)
        first, last = sorted((int(first), int(first if last is None else last)))
        return (self.stored >= first) & (self.stored <= last)

    def _modality(self):
        values = self.stored * float(self._header("RescaleSlope", 1)) + float(self._header("RescaleIntercept", 0))
        return np.where(self.padding, np.nan, values)

    def _own_window(self):
        center, width = self._header("WindowCenter"), self._header("WindowWidth")
        if center is None or width is None:
            return None
        first = [float(v[0] if hasattr(v, "__len__") and not isinstance(v, str) else v) for v in (center, width)]
        return tuple(first)

    def _window(self, center, width):
        if center is not None and width is not None:
            return float(center), float(width)
        if self.own_window:
            return self.own_window
        low, high = np.nanmin(self.values), np.nanmax(self.values)
        return (low + high + 1) / 2, high - low + 1  # PS3.3 C.11.2.1.2.2, the full range of the values

    def grey_with(self, center, width):
        """The greys that another window gives."""
        x = np.nan_to_num(self.values)
        if self.function == "SIGMOID":
            y = 1 / (1 + np.exp(-4 * (x - center) / width))
        elif self.function == "LINEAR_EXACT":
            y = np.clip((x - center) / width + 0.5, 0, 1)
        elif width <= 1:
            y = (x > center - 0.5).astype(float)
        else:
            y = np.clip((x - (center - 0.5)) / (width - 1) + 0.5, 0, 1)
        y = 1 - y if self.inverted else y
        return np.where(self.padding, 0, np.round(y * 255)).astype(np.uint8)


def show(image, center=None, width=None, title=None, says="", size=LARGEST, box=None):
    """A picture of an image as a workstation shows it.

    image : a pydicom Dataset with pixels, or an array (then nothing of a header is applied)
    center, width : the window; the image's own when not given
    title : a line above the picture
    says  : what is to be seen, for the text beneath
    size  : screen pixels of the longer side, about; larger images are averaged down by a whole factor
    box   : a rectangle to be outlined: (first row, row after the last, first column, column after the last)
    """
    display = Display(image, center, width)
    grey, scale = _to_screen(display.grey, size)
    rows, columns = grey.shape[:2]
    top, bottom, right = (34 if title else 8), 8, (8 if display.colour else 96)
    fig = figure(columns + 8 + right, rows + top + bottom, "black")
    total_width, total_height = columns + 8 + right, rows + top + bottom
    ax = fig.add_axes([8 / total_width, bottom / total_height, columns / total_width, rows / total_height])
    ax.imshow(grey, cmap=None if display.colour else "gray", vmin=0, vmax=255, interpolation="none", aspect="auto")
    ax.set_axis_off()
    if title:
        fig.text(8 / total_width, 1 - 17 / total_height, title, color="white", fontsize=11, va="center", weight="bold")
    _corners(ax, display)
    if box is not None:
        _outline(ax, box, scale, columns)
    if not display.colour:
        _grey_bar(fig, display, total_width, total_height, columns, rows, bottom)
    return Picture(fig, _in_words(display, title, says, scale, box))


def _to_screen(grey, largest=LARGEST):
    """The image averaged down or enlarged by a whole factor so that it suits a screen, and that factor (2 means halved)."""
    size = max(grey.shape[:2])
    if size > 1.3 * largest:
        factor = -(-size // largest)
        rows, columns = (n // factor * factor for n in grey.shape[:2])
        blocks = grey[:rows, :columns].reshape(rows // factor, factor, columns // factor, factor, *grey.shape[2:])
        return blocks.mean(axis=(1, 3)).astype(np.uint8), factor
    factor = max(1, round(SMALLEST / size)) if size < SMALLEST else 1
    return np.repeat(np.repeat(grey, factor, axis=0), factor, axis=1), 1 / factor


def _corners(ax, display):
    """The annotations in the corners, and the letters for the patient's directions."""
    ds = display.ds
    if ds is None:
        return
    from matplotlib import patheffects

    outline = [patheffects.withStroke(linewidth=2.4, foreground="black")]
    style = dict(transform=ax.transAxes, color=ANNOTATION, fontsize=8.5, path_effects=outline, family="DejaVu Sans")
    name = str(ds.get("PatientName", "")).replace("^", ", ", 1).replace("^", " ")
    ax.text(0.012, 0.985, f"{name}\n{ds.get('PatientID', '')}", va="top", ha="left", **style)
    place = "\n".join(str(ds.get(k, "")) for k in ("StationName", "SeriesDescription") if ds.get(k))
    ax.text(0.988, 0.985, place, va="top", ha="right", **style)
    ax.text(0.012, 0.015, _size(display), va="bottom", ha="left", **style)
    if display.window:
        ax.text(0.988, 0.015, "C {:g}  W {:g}".format(*display.window), va="bottom", ha="right", **style)
    letters = dict(style, fontsize=12, weight="bold")
    for letter, x, y in zip(orientation(ds) or (), (0.985, 0.5, 0.015, 0.5), (0.5, 0.015, 0.5, 0.985), strict=False):
        ax.text(x, y, letter, ha={0.985: "right", 0.015: "left"}.get(x, "center"),
                va={0.985: "top", 0.015: "bottom"}.get(y, "center"), **letters)  # fmt: skip


def _outline(ax, box, scale, columns):
    """A rectangle, with its rows and columns written beside it, on the side where there's more room."""
    from matplotlib import patheffects
    from matplotlib.patches import Rectangle

    top, bottom, left, right = (place / scale - 0.5 for place in box)
    outline = [patheffects.withStroke(linewidth=3, foreground="black")]
    ax.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, color=ANNOTATION, linewidth=1.4, path_effects=outline))
    on_the_left = left + right > columns
    rows, cols = _box_in_words(box)
    ax.text(left - 8 if on_the_left else right + 8, (top + bottom) / 2, f"{rows}\n{cols}", ha="right" if on_the_left else "left",
            va="center", color=ANNOTATION, fontsize=9, path_effects=outline)  # fmt: skip


def _box_in_words(box):
    return f"rows {box[0]} to {box[1] - 1}", f"columns {box[2]} to {box[3] - 1}"


def _size(display):
    rows, columns = display.stored.shape[:2]
    text = f"{columns} x {rows}"
    return text + (f"  {display.frames} frames" if display.frames > 1 else "")


def orientation(ds):
    """The patient's directions at the right, bottom, left and top of the image, one letter or two each; None when not known."""
    opposite = {"L": "R", "R": "L", "A": "P", "P": "A", "H": "F", "F": "H"}
    cosines = ds.get("ImageOrientationPatient")
    if cosines and len(cosines) == 6:
        pairs = [_letters([float(v) for v in cosines[:3]]), _letters([float(v) for v in cosines[3:]])]
    else:
        pairs = ds.get("PatientOrientation")
        if not pairs or len(pairs) != 2 or not all(pairs):
            return None
        pairs = [str(pair) for pair in pairs]
    back = ["".join(opposite.get(letter, letter) for letter in pair) for pair in pairs]
    return pairs[0], pairs[1], back[0], back[1]


def _letters(direction):
    """The letters of a direction in the patient, the strongest first (PS3.3 C.7.6.1.1.1)."""
    named = [("L", "R"), ("P", "A"), ("H", "F")]
    parts = sorted(((abs(v), names[v < 0]) for v, names in zip(direction, named, strict=True)), reverse=True)
    return "".join(letter for size, letter in parts if size > 0.1)


def _grey_bar(fig, display, total_width, total_height, columns, rows, bottom):
    """The bar that says which value has which grey."""
    height = min(rows, 260)
    left, low = (8 + columns + 14) / total_width, (bottom + (rows - height) / 2) / total_height
    ax = fig.add_axes([left, low, 16 / total_width, height / total_height])
    center, width = display.window
    bottom_value, top_value = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
    ramp = np.linspace(1, 0, 256)[:, None]
    ax.imshow(1 - ramp if display.inverted else ramp, cmap="gray", vmin=0, vmax=1, aspect="auto", extent=(0, 1, 0, 1))
    ax.set_xticks([])
    ax.set_yticks([0, 0.5, 1], [f"{v:g}" for v in (bottom_value, center - 0.5, top_value)])
    ax.yaxis.tick_right()
    ax.tick_params(colors="white", labelsize=8.5, length=3)
    ax.set_title(display.unit if display.unit not in ("", "US") else "value", color="white", fontsize=8.5, loc="left")
    for spine in ax.spines.values():
        spine.set_color("white")


def _in_words(display, title, says, scale, box=None):
    ds = display.ds
    kind = f"{ds.get('Modality', '')} image" if ds is not None else "an array shown without a header"
    text = f"{title}: {kind}" if title else kind[0].upper() + kind[1:]
    text += ", {} columns x {} rows".format(*display.stored.shape[1::-1])
    if display.frames > 1:
        text += f", the middle one of {display.frames} frames"
    if display.window:
        text += ", window centre {:g}, width {:g}".format(*display.window)
        if ds is not None and display.own_window is None:
            text += " (the header has no window)"
        if display.inverted:
            text += ", lowest value white"
    if scale > 1:
        text += f", averaged {scale} x {scale}"
    if box is not None:
        text += ", a rectangle around {}, {}".format(*_box_in_words(box))
    return f"{text}. {says}"


# --- the pipeline as a diagram


def pipeline(ds):
    """A picture of an image's way from stored value to screen: four stations with their histograms.

    The histograms have one logarithmic scale of counts, so that they can be compared.
    """
    display = Display(ds)
    fig = figure(1000, 530)
    steps = _steps(display)
    highest = max(np.histogram(values, BINS)[0].max() for _, _, values, _, _ in steps)
    for place, (head, formula, values, unit, colour) in enumerate(steps):
        left = 0.07 + place * 0.239
        fig.text(left, 0.955, f"{place + 1}  {head}", fontsize=11.5, weight="bold", color=INK, va="center")
        fig.text(left, 0.905, formula, fontsize=8.6, color=INK, va="top", linespacing=1.35)
        ax = fig.add_axes([left, 0.125, 0.185, 0.245])
        _histogram(ax, values, unit, colour, highest, place == 0)
        if place < 3:
            fig.text(left + 0.2145, 0.585, "\u279c", fontsize=19, color=INK, ha="center", va="center")
        _thumbnail(fig, [left, 0.42, 0.185, 0.40], display, place)
    fig.text(0.07, 0.018, "Histograms: how many pixels have which value; each step of the scale is ten times more.", fontsize=8, color=INK)
    return Picture(fig, _pipeline_in_words(display, steps))


def _steps(display):
    ds = display.ds
    slope, intercept = float(display._header("RescaleSlope", 1)), float(display._header("RescaleIntercept", 0))
    center, width = display.window
    kept = ~display.padding
    padded = display._header("PixelPaddingValue")
    whole = np.clip(np.nan_to_num(display.values), center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2)
    voi = ((whole - (center - 0.5)) / max(width - 1, 1) + 0.5) * 255
    unit = display.unit if display.unit not in ("", "US") else "value"
    has_padding = padded is not None
    sign = "signed" if ds.PixelRepresentation else "unsigned"
    rescale = f"stored x {slope:g} {'+' if intercept >= 0 else MINUS} {abs(intercept):g}"
    aside = "padding set aside" if has_padding else "no padding to set aside"
    stored = f"{ds.BitsStored} of {ds.BitsAllocated} bits, {sign}\n" + (f"padding {padded}" if has_padding else "no padding")
    window = f"centre {center:g}, width {width:g}\nclipped at both ends"
    polarity = f"{ds.PhotometricInterpretation}: lowest is {'white' if display.inverted else 'black'}\n"
    polarity += "black and white change places" if display.inverted else "nothing to do, the same as 3"
    return [
        ("Stored values", stored, display.stored, "stored value", BLUE),
        ("Modality LUT", f"{rescale}\n{aside}", display.values[kept], unit, BLUE),
        ("VOI LUT (window)", window, voi[kept], "grey before polarity", ORANGE),
        ("Screen", polarity, display.grey[kept], "grey on the screen", ORANGE),
    ]


def _histogram(ax, values, unit, colour, highest, labelled):
    """A histogram on the scale of counts that all of a picture share; `labelled` ones have the numbers on it."""
    ax.hist(values.ravel(), bins=BINS, color=colour, log=True)
    ax.set_ylim(0.7, highest * 1.5)
    ax.minorticks_off()
    ticks = [10**power for power in range(1 + int(np.log10(highest)))]
    ax.set_yticks(ticks, [f"{tick:,}" if place % 2 == 0 else "" for place, tick in enumerate(ticks)] if labelled else [""] * len(ticks))
    if labelled:
        ax.set_ylabel("pixels", fontsize=8, color=INK, labelpad=1)
    ax.set_xlabel(unit, fontsize=8, color=INK)
    ax.tick_params(labelsize=8, colors=INK)
    ax.locator_params(axis="x", nbins=5)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def _thumbnail(fig, place, display, step):
    """The image as it would look if the pipeline ended there."""
    center, width = display.window
    if step == 0:
        shown = display.stored
    elif step == 1:
        shown = np.where(display.padding, np.nanmin(display.values), display.values)
    elif step == 2:
        shown = np.clip(np.where(display.padding, -1e9, display.values), center - width / 2, center + width / 2)
    else:
        shown = display.grey
    ax = fig.add_axes(place)
    limits = dict(vmin=0, vmax=255) if step == 3 else {}
    thin = max(1, max(shown.shape) // 300)
    ax.imshow(shown[::thin, ::thin], cmap="gray", interpolation="bilinear", **limits)
    ax.set_axis_off()


def _pipeline_in_words(display, steps):
    said = []
    for head, formula, values, unit, _ in steps:
        said.append(f"{head}: {formula.replace(chr(10), ', ')}, values from {np.min(values):g} to {np.max(values):g} ({unit})")
    numbered = ". ".join(f"{place} {text}" for place, text in enumerate(said, 1))
    return f"The way of this image to the screen in four steps, each with its histogram on a logarithmic scale of counts. {numbered}."


# --- the window by hand


def window_viewer(ds, says=""):
    """A viewer in which the window is set by sliders and presets.

    Where no widgets can be shown (the notebook before it's run, a printed page) it's a picture of the presets.
    """
    return WindowViewer(ds, says)


class WindowViewer(Viewer):
    """What `window_viewer` returns."""

    def __init__(self, ds, says=""):
        self.ds = ds
        self.says = says
        display = Display(ds)
        self.presets = dict(PRESETS) if display.unit == "HU" else {}
        if display.own_window and display.own_window not in self.presets.values():
            self.presets = {"From the header": display.own_window} | self.presets
        self._display = display

    def __repr__(self):
        return self.picture.__repr__()

    @property
    def picture(self):
        """The presets side by side, for where there are no widgets."""
        presets = self.presets or {"Full range": self._display.window}
        size, gap = 260, 8
        rows, columns = self._display.stored.shape[:2]
        high = round(size * rows / columns)
        fig = figure(len(presets) * (size + gap) + gap, high + 34, "black")
        wide, tall = len(presets) * (size + gap) + gap, high + 34
        for place, (name, (center, width)) in enumerate(presets.items()):
            ax = fig.add_axes([(gap + place * (size + gap)) / wide, 6 / tall, size / wide, high / tall])
            grey = self._display.grey_with(center, width)
            thin = max(1, columns // 520)
            ax.imshow(grey[::thin, ::thin], cmap="gray", vmin=0, vmax=255, aspect="auto", interpolation="antialiased")
            ax.set_axis_off()
            ax.set_title(f"{name}: centre {center:g}, width {width:g}", color="white", fontsize=9, pad=6)
        names = ", ".join(f"{name} (centre {c:g}, width {w:g})" for name, (c, w) in presets.items())
        how_many = f"{len(presets)} window{'s' * (len(presets) > 1)}"
        return Picture(fig, f"The same {self.ds.Modality} image with {how_many}: {names}. {self.says}")

    def _widget(self):
        import ipywidgets

        low, high = int(np.nanmin(self._display.values)), int(np.nanmax(self._display.values))
        start = self._display.own_window or self._display.window
        wide = ipywidgets.Layout(width="560px")
        labels = {"description_width": "70px"}
        center = ipywidgets.IntSlider(round(start[0]), low, high, description="Centre", layout=wide, style=labels)
        width = ipywidgets.IntSlider(round(start[1]), 1, max(high - low, 2), description="Width", layout=wide, style=labels)
        buttons = []
        for name, (c, w) in self.presets.items():
            button = ipywidgets.Button(description=name, tooltip=f"centre {c:g}, width {w:g}")
            button.on_click(lambda _, c=c, w=w: self._set(center, width, c, w))
            buttons.append(button)
        picture, state = ipywidgets.HTML(), ipywidgets.HTML()

        def draw(_=None):
            grey = self._display.grey_with(center.value, width.value)
            c, w = center.value, width.value
            bottom, top = c - 0.5 - (w - 1) / 2, c - 0.5 + (w - 1) / 2
            unit = self._display.unit if self._display.unit not in ("", "US") else ""
            ends = ("white", "black") if self._display.inverted else ("black", "white")
            words = f"{bottom:g} {unit} and less is {ends[0]}, more than {top:g} {unit} is {ends[1]}."
            alt = f"{self.ds.Modality} image, window centre {c}, width {w}. {self.says}"
            picture.value = f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{_png(_to_screen(grey)[0])}">'
            state.value = f'<div role="status" aria-live="polite">{words}</div>'

        for slider in (center, width):
            slider.observe(draw, "value")
        draw()
        return ipywidgets.VBox([ipywidgets.HBox(buttons), center, width, state, picture])

    @staticmethod
    def _set(center, width, c, w):
        width.value, center.value = round(w), round(c)


def _png(grey):
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(grey).save(file, "png")
    return base64.b64encode(file.getvalue()).decode("ascii")
