"""The picture of the desk: every system with what it knows, inside its box and inside the picture."""

from matplotlib.patches import Rectangle

from coursekit.figures.desk import FLOWS, SYSTEMS, desk


def test_each_system_and_each_flow_is_told():
    picture = desk()
    for name, first, second, called, *_ in SYSTEMS:
        assert f"{name} knows {first} {second} (here: {called})" in picture.says
    for start, end, what, _ in FLOWS:
        assert f"from {start} to {end}: {what}" in picture.says


def test_what_a_box_says_stays_inside_it():
    picture = desk().figure
    picture.draw_without_rendering()
    axes = picture.axes[0]
    boxes = [patch.get_window_extent() for patch in axes.patches if type(patch) is Rectangle]
    told = {line for system in SYSTEMS for line in system[:4]}
    for text in (text for text in axes.texts if text.get_text() in told):
        here = text.get_window_extent()
        assert any(box.x0 < here.x0 and here.x1 < box.x1 and box.y0 < here.y0 and here.y1 < box.y1 for box in boxes), text.get_text()


def test_no_text_leaves_the_picture():
    figure = desk().figure
    figure.draw_without_rendering()
    width, height = figure.get_size_inches() * figure.dpi
    for text in figure.axes[0].texts:
        box = text.get_window_extent()
        assert 0 <= box.x0 and box.x1 <= width and 0 <= box.y0 and box.y1 <= height, text.get_text()
