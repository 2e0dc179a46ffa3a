"""The pictures of a database."""

import pandas

from coursekit.figures.database import bars, schema_diagram


class Columns:
    """A database with three tables."""

    def columns(self, table):
        return pandas.DataFrame({"column": {"a": ["pk", "x"], "b": ["pk", "a_pk", "x", "y"], "c": ["pk", "y", "x"]}[table]})


def test_an_arrow_goes_from_many_to_one():
    picture = schema_diagram(Columns(), ["a", "b"])
    assert "each b row points with a_pk to one a row, to which many may point" in picture.says
    assert picture.png.startswith(b"\x89PNG")


def test_tables_that_share_columns_do_not_point():
    picture = schema_diagram(Columns(), ["b", "c"], shared=["x", "y"])
    assert "when x and y are the same in both; neither points to the other" in picture.says


def test_bars_are_told_with_their_numbers():
    picture = bars(pandas.DataFrame({"month": ["01", "02"], "n": [1200, 7]}), by="month", title="Studies")
    assert picture.says == "Studies. 01: n 1,200; 02: n 7."
    drawn = picture.figure.axes[0]
    assert drawn.get_ylabel() == "studies" and "1,200" in [text.get_text() for text in drawn.texts]
