"""The pictures of an acceptance test: drawn, told in words, nothing outside."""

from coursekit.figures.acceptance import grid, times

MARKS = {("loses the last day", "it answers"): False, ("loses the last day", "exactly\nthe right ones"): True,
         ("answers strangers", "it answers"): False, ("answers strangers", "exactly\nthe right ones"): False}


def inside(picture):
    figure = picture.figure
    figure.draw_without_rendering()
    width, height = figure.get_size_inches() * figure.dpi
    for text in [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, text.get_text()


def test_grid_tells_what_is_found():
    picture = grid(["loses the last day", "answers strangers"], ["it answers", "exactly\nthe right ones"], MARKS, "T")
    assert "Found, row by row: loses the last day: exactly the right ones; answers strangers: none." in picture.says
    assert picture.png.startswith(b"\x89PNG")
    inside(picture)


def test_grid_tells_what_rows_and_columns_are():
    picture = grid(["loses the last day", "answers strangers"], ["it answers", "exactly\nthe right ones"], MARKS, "T",
                   heads=("The archive ...", "The tester is content when ..."))
    assert "2 rows, \"The archive ...\", and the columns, \"The tester is content when ...\", it answers" in picture.says
    shown = [text.get_text() for text in picture.figure.axes[0].texts]
    assert "The archive ..." in shown and "The tester is content when ..." in shown
    inside(picture)


def test_times_has_room_for_its_names():
    for count in (1, 2, 4, 6):
        picture = times(range(1, 101), {f"line {place}": 2 + place for place in range(count)}, "A title of some length")
        inside(picture)
        boxes = [text.get_window_extent() for text in [*picture.figure.texts, *picture.figure.axes[0].texts]]
        assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])


def test_times_tells_its_lines():
    picture = times([40, 50, 60, 70, 500], {"median": 60, "mean": 144, "longest": 500}, "T")
    assert "T. Histogram of 5 times from 40 to 500 ms. Lines: median at 60 ms; mean at 144 ms; longest at 500 ms." == picture.says
    inside(picture)
