"""Pictures of displays: luminance response against the GSDF, deviation of the contrast, and a pattern at native pixels.

They take photometer readings as plain numbers, lowest level first, and reckon the target themselves (`coursekit.standards.gsdf`).
"""

import numpy as np

from coursekit.errors import CourseError
from coursekit.figures.picture import Picture, figure
from coursekit.standards import gsdf

INK, FAINT, LINE, WARN, BAND = "#1a1a1a", "#5b6570", "#0b5394", "#a61c00", "#e3efdc"
SIZE = 10
# Told apart by marker and line as well as by colour.
LOOKS = ((LINE, "o", "-"), (WARN, "s", "--"), ("#3d6b21", "^", "-."), ("#6a3d9a", "D", ":"), ("#8a5a00", "v", "--"), (INK, "x", "-."))


def response(displays, title="", last=255, called="level sent to the display"):
    """Luminance over the level, on a logarithmic scale, and for each display the GSDF between its own ends as a thin line.

    More than two displays get a panel each, all with the same scales.

    displays : {name: (readings in cd/m2, ambient luminance in cd/m2)}, the readings at even steps from level 0 to `last`
    called   : what the levels are: those sent to a display, or the driving levels of its panel
    """
    lights = {name: _light(readings, ambient) for name, (readings, ambient) in displays.items()}
    panels = [{name: light} for name, light in lights.items()] if len(lights) > 2 else [lights]
    across = min(3, len(panels))
    down = -(-len(panels) // across)
    wide, tall = 860, 480 if len(panels) == 1 else 70 + 250 * down
    picture = figure(wide, tall)
    lowest, highest = min(light[0] for light in lights.values()), max(light[-1] for light in lights.values())
    for place, panel in enumerate(panels):
        if len(panels) == 1:
            axes = picture.add_axes((0.09, 0.12, 0.60, 0.78))
        else:
            row, column = divmod(place, across)
            width = 0.92 / across
            axes = picture.add_axes((0.07 + column * width, 1 - (70 + 250 * row + 175) / tall, width - 0.035, 175 / tall))
        for (name, light), (colour, marker, style) in zip(panel.items(), LOOKS):
            levels = np.linspace(0, last, len(light))
            axes.plot(levels, gsdf.between(light[0], light[-1], len(light)), color=FAINT, lw=1.2, zorder=1)
            axes.plot(levels, light, color=colour, marker=marker, ls=style, lw=1.6,
                      markersize=5 if len(panels) == 1 else 4, label=name)
        axes.set_yscale("log")
        axes.set_yticks([0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500], [f"{tick:g}" for tick in (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)])
        axes.set_yticks([], minor=True)
        if len(panels) > 1:
            axes.set_yticks([1, 10, 100], ["1", "10", "100"])
        axes.set_ylim(lowest / 1.3, highest * 1.3)
        ticks = [0, 45, 90, 135, 180, 225, 255] if len(panels) == 1 else [0, 90, 180, 255]
        axes.set_xticks(ticks if last == 255 else [min(last, (last + 1) * part // 4) for part in range(5)])
        _plain(axes, title if len(panels) == 1 else next(iter(panel)))
        if len(panels) == 1 or place >= len(panels) - across:
            axes.set_xlabel(called, size=SIZE, color=INK)
        if len(panels) == 1:
            axes.set_ylabel("luminance with the room's light, cd/m\N{SUPERSCRIPT TWO}", size=SIZE, color=INK)
            axes.plot([], [], color=FAINT, lw=1.2, label="GSDF between the\nsame ends")
            axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1), fontsize=SIZE, frameon=False)
    if len(panels) > 1:
        picture.text(0.03, 1 - 14 / tall, title, size=11, color=INK, va="center")
        picture.text(0.03, 1 - 34 / tall, "luminance with the room's light, cd/m\N{SUPERSCRIPT TWO}; thin line: the GSDF between the same "
                     "ends", size=SIZE, color=INK, va="center")
    said = [f"{name}: {light[0]:.2f} to {light[-1]:.0f} cd/m2, {light[len(light) // 2]:.1f} at level "
            f"{np.linspace(0, last, len(light))[len(light) // 2]:.0f}, where the GSDF wants "
            f"{gsdf.between(light[0], light[-1], len(light))[len(light) // 2]:.1f}" for name, light in lights.items()]
    return Picture(picture, f"{title or 'Luminance response'}: luminance with the room's light over the "
                            f"{'level' if last == 255 else called}, on a logarithmic scale; "
                            f"a thin line shows the GSDF between the same ends. {'; '.join(said)}.")


def contrast(readings, ambient, limit, title=""):
    """The deviation of the contrast of each step from that of the GSDF, in percent, with the band that a limit allows.

    readings : luminances in cd/m2 at even steps from level 0 to 255; ambient : luminance in cd/m2
    limit    : percent
    """
    light = _light(readings, ambient)
    wanted = gsdf.between(light[0], light[-1], len(light))
    off = [100 * (_contrast(a, b) / _contrast(c, d) - 1) for a, b, c, d in zip(light, light[1:], wanted, wanted[1:])]
    picture = figure(860, 380)
    axes = picture.add_axes((0.09, 0.14, 0.88, 0.75))
    axes.axhspan(-limit, limit, color=BAND, zorder=0)
    axes.axhline(0, color=INK, lw=1)
    edges = np.linspace(0, 255, len(light))
    middles = (edges[1:] + edges[:-1]) / 2
    out = [abs(one) > limit for one in off]
    axes.bar(middles, off, width=9, color=[WARN if one else LINE for one in out], edgecolor=INK, lw=0.6,
             hatch=["//" if one else "" for one in out])
    # A contrast cannot fall by more than 100 %; what grows by more is cut off, and its number written on it.
    reach = min(max(2 * limit, 1.15 * max(map(abs, off))), max(110, 2 * limit))
    axes.set_ylim(-reach, reach)
    for middle, one in zip(middles, off):
        if one > reach:
            axes.text(middle, 0.97 * reach, f"{one:+.0f} %", size=SIZE, color=INK, ha="center", va="top",
                      bbox={"facecolor": "white", "edgecolor": INK, "pad": 1.5, "lw": 0.6})
    axes.set_xticks([0, 45, 90, 135, 180, 225, 255])
    axes.set_xlabel("level sent to the display", size=SIZE, color=INK)
    axes.set_ylabel("contrast against the GSDF, %", size=SIZE, color=INK)
    _plain(axes, title)
    axes.text(0.995, 0.97, f"band: \N{PLUS-MINUS SIGN}{limit:g} %; hatched: beyond", transform=axes.transAxes, ha="right", va="top",
              size=SIZE, color=INK)
    worst = max(range(len(off)), key=lambda place: abs(off[place]))
    beyond = [f"{edges[place]:.0f} to {edges[place + 1]:.0f}" for place, one in enumerate(out) if one]
    return Picture(picture, f"{title or 'Contrast response'}: the contrast of {len(off)} steps against the GSDF, limit {limit:g} %. "
                            f"Largest deviation {off[worst]:+.1f} % between levels {edges[worst]:.0f} and {edges[worst + 1]:.0f}. "
                            f"Beyond the limit: {', '.join(beyond) or 'none'}.")


def native_pixels(views, zoom=8, title=""):
    """Cut-outs of pictures, each pixel a square of `zoom` screen pixels, side by side.

    views : list of (label, array of grey 0 to 255, place as (first row, row after, first column, column after), text that says what is
            to be seen)
    """
    cuts = [(label, np.asarray(array)[top:bottom, left:right], says) for label, array, (top, bottom, left, right), says in views]
    if not cuts or any(cut.size == 0 or cut.ndim != 2 for _, cut, _ in cuts):
        raise CourseError("A cut-out needs a picture of grey values and a place inside of it.")
    gap, head = 16, 58 if title else 30
    wide = gap + sum(cut.shape[1] * zoom + gap for _, cut, _ in cuts)
    tall = head + max(cut.shape[0] for _, cut, _ in cuts) * zoom + gap
    picture = figure(wide, tall, "#111417")
    if title:
        picture.text(gap / wide, 1 - 16 / tall, title, size=11, weight="bold", color="white", va="center")
    left = gap
    for label, cut, _ in cuts:
        shown = np.kron(cut, np.ones((zoom, zoom)))
        axes = picture.add_axes((left / wide, 1 - (head + shown.shape[0]) / tall, shown.shape[1] / wide, shown.shape[0] / tall))
        axes.imshow(shown, cmap="gray", vmin=0, vmax=255, interpolation="none", aspect="auto")
        axes.set_xticks([])
        axes.set_yticks([])
        picture.text(left / wide, 1 - (head - 13) / tall, label, size=SIZE, color="#e8d27a", va="center")
        left += shown.shape[1] + gap
    told = "; ".join(f"{label}, {cut.shape[1]} by {cut.shape[0]} pixels: {says}" for label, cut, says in cuts)
    return Picture(picture, f"{title or 'Cut-outs'}, each pixel drawn as a square of {zoom} by {zoom}. {told}.")


def _light(readings, ambient):
    """The luminances that reach the eye, as floats. Raises CourseError when there are too few, or some are not above zero."""
    light = [float(one) + float(ambient) for one in readings]
    if len(light) < 3 or min(light) < gsdf.luminance(gsdf.FIRST):
        raise CourseError("Three readings or more are expected, each of them 0.05 cd/m2 or more with the room's light.")
    return light


def _contrast(darker, brighter):
    return 2 * (brighter - darker) / (brighter + darker)


def _plain(axes, title):
    axes.set_title(title, size=11, loc="left", color=INK)
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=SIZE, colors=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
