"""The pictures that lessons show. Each has a text that says what it shows."""

from coursekit.figures.image import Display, pipeline, show, window_viewer
from coursekit.figures.picture import Picture

__all__ = ["Display", "Picture", "pipeline", "show", "window_viewer"]
