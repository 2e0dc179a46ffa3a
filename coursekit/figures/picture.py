"""A picture with its text alternative."""

import io
import textwrap

WRAP = 100


class Picture:
    """A matplotlib figure and, in words, what it shows.

    figure : matplotlib.figure.Figure, made without pyplot
    says   : what a person who can't see it needs to know; the same text on every run

    In a notebook the picture appears with its text beneath: JupyterLab (4.6) gives an image no alternative text
    whatever its metadata, so only text of its own reaches a screen reader. The metadata `alt` is set all the same;
    nbconvert uses it.
    """

    def __init__(self, figure, says):
        self.figure = figure
        self.says = " ".join(says.split())
        self._png = None

    def __repr__(self):
        return "Picture: " + self.says

    @property
    def png(self):
        """The picture as PNG bytes, with at most 256 colours: a third of the size, so that notebooks stay small."""
        if self._png is None:
            from PIL import Image

            drawn = io.BytesIO()
            self.figure.savefig(drawn, format="png", facecolor=self.figure.get_facecolor(), metadata={"Software": None})
            few = Image.open(drawn).convert("RGB").quantize(256, dither=Image.Dither.NONE)
            file = io.BytesIO()
            few.save(file, "png", optimize=True)
            self._png = file.getvalue()
        return self._png

    def _repr_mimebundle_(self, include=None, exclude=None):
        width = round(self.figure.get_figwidth() * self.figure.dpi)
        return {"image/png": self.png, "text/plain": repr(self)}, {"image/png": {"alt": self.says, "width": width}}

    def _ipython_display_(self):
        from IPython.display import display

        data, metadata = self._repr_mimebundle_()
        display(data, metadata=metadata, raw=True)
        display({"text/plain": textwrap.fill(repr(self), WRAP)}, raw=True)


class Viewer:
    """A picture that can be changed where there are widgets, and stands still where there are none.

    A subclass has `picture`, the still Picture, and `_widget`, which makes the widget.
    """

    def _ipython_display_(self):
        from IPython.display import display

        data, metadata = self.picture._repr_mimebundle_()
        try:
            widget = self._widget()
        except ImportError:
            self.picture._ipython_display_()
            return
        view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
        display({**data, "application/vnd.jupyter.widget-view+json": view}, metadata=metadata, raw=True)


def figure(width, height, background="white"):
    """An empty matplotlib Figure of that many screen pixels, and none of pyplot's global state."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / 100, height / 100), dpi=100, facecolor=background)


def canvas(wide, tall, background="white"):
    """An empty Figure of that many screen pixels, and axes that fill it and count its pixels from the upper left corner, without a frame."""
    picture = figure(wide, tall, background)
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, wide), ylim=(tall, 0))
    axes.axis("off")
    return picture, axes
