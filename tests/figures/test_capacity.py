"""Pictures of capacity: what they say, and the date that is read out of a table."""

import datetime

import numpy as np
import pandas as pd
import pytest

from coursekit.errors import CourseError
from coursekit.figures.capacity import forecast, hits_by_days, months_brought, reached, waiting

PLAN = pd.DataFrame({"until": ["2025-04-07", "2025-05-01", "2025-06-01", "2025-07-01"], "likely": [10.0, 13.0, 16.1, 19.1],
                     "low": [10.0, 12.0, 14.0, 16.0], "high": [10.0, 14.0, 18.0, 22.0]})
HISTORY = {"2025-02-01": 4.0, "2025-03-01": 7.0, "2025-04-01": 9.5, "2025-04-07": 10.0}


def test_the_day_lies_between_two_rows_in_proportion():
    assert reached(PLAN, "likely", 13) == datetime.date(2025, 5, 1)
    assert reached(PLAN, "likely", 14) == datetime.date(2025, 5, 11)
    assert reached(PLAN, "likely", 9) == datetime.date(2025, 4, 7) and reached(PLAN, "likely", 10) == datetime.date(2025, 4, 7)
    assert reached(PLAN.assign(until=pd.to_datetime(PLAN["until"])), "high", 22) == datetime.date(2025, 7, 1)
    with pytest.raises(CourseError, match="does not reach 30 within the table; it ends with 19.1"):
        reached(PLAN, "likely", 30)
    with pytest.raises(CourseError, match="no column 'likly'; it has until, likely"):
        reached(PLAN, "likly", 12)


def test_a_forecast_says_when_its_limits_are_reached():
    alone = forecast(HISTORY, limits=[(15, "90 %")], title="A store")
    assert repr(alone) == "Picture: A store: 4.0 TB on 2025-02-01, 10.0 TB on 2025-04-07; a line at 15 TB, 90 %."
    whole = repr(forecast(HISTORY, PLAN, limits=[(15, "90 %"), (21, "full"), (5, "past")]))
    assert ("15 TB, 90 %, reached at the early end of the band 2025-05-09, expected 2025-05-21, at the late end of the band 2025-06-16"
            in whole)
    assert "21 TB, full, reached at the early end of the band 2025-06-23;" in whole and whole.endswith("a line at 5 TB, past.")
    assert "expected 2025-05-21." in repr(forecast(HISTORY, PLAN[["until", "likely"]], limits=[(15, "90 %")]))
    assert len(forecast(HISTORY, PLAN, limits=[(15, "90 %")]).figure.axes) == 2 and len(alone.figure.axes) == 1
    assert forecast(HISTORY, PLAN).png.startswith(b"\x89PNG") and forecast(HISTORY, PLAN, limits=[(15, "90 %")]).png.startswith(b"\x89PNG")


def test_days_that_are_marked_are_told():
    marks = [(datetime.date(2025, 4, 7), "today"), (datetime.date(2025, 5, 2), "order by")]
    picture = forecast(HISTORY, PLAN, limits=[(15, "90 %")], days_marked=marks)
    assert repr(picture).endswith("; today 2025-04-07; order by 2025-05-02.") and picture.png.startswith(b"\x89PNG")


def test_months_are_told_with_their_season_and_with_what_came_once():
    months = [f"2024-{month:02d}" for month in range(4, 13)]
    table = pd.DataFrame({"month": months, "brought_tb": [3.0] * 3 + [2.0, 2.5] + [3.0] * 3 + [4.5], "import_tb": [0.0] * 8 + [1.25]})
    picture = months_brought(table)
    assert ("usual work between 2.00 TB in 2024-07 and 3.25 TB in 2024-12; July and August 2.25 TB on the average, the other months 3.04; "
            "in 2024-12 1.25 TB more that came once." in repr(picture))
    assert picture.png.startswith(b"\x89PNG") and "average" not in repr(months_brought(table.head(3)))


def test_waiting_times_are_told_by_percentile():
    picture = waiting({"online": [0.2, 0.4, 0.6, 4.0], "nearline": np.array([80.0, 95.0])}, limit=3)
    assert "online: half within 0.5 s, 75.0 % within 3 s; nearline: half within 87.5 s, 0.0 % within 3 s." in repr(picture)
    assert picture.png.startswith(b"\x89PNG") and "within 3" not in repr(waiting({"all": pd.Series([1.0, 2.0])}))


def test_hits_by_days_are_told_at_some_points():
    picture = hits_by_days({"CT": [(0, 20.0), (100, 92.0)], "MR": [(0, 10.0), (100, 80.0)]}, wanted=88)
    assert "CT: 20 % at 0 days, 92 % at 100 days; MR: 10 % at 0 days, 80 % at 100 days. Wanted in each group: 88 %." in repr(picture)
    assert picture.png.startswith(b"\x89PNG")


def test_the_first_days_are_drawn_closer():
    curves = {"CT": [(0, 20.0), (100, 92.0), (400, 99.0)]}
    whole, near = hits_by_days(curves, wanted=88, closer=100).figure.axes
    assert near.get_xlim() == (0, 100) and whole.get_xlim()[1] >= 400 and near.get_ylim()[0] == 50
    assert repr(hits_by_days(curves, closer=100)) == repr(hits_by_days(curves))


def test_the_band_is_drawn_where_it_can_be_seen_and_a_frame_says_where_that_is():
    whole, near = forecast(HISTORY, PLAN, limits=[(15, "90 %")]).figure.axes
    assert len(near.collections) == 1 and not whole.collections and len(whole.patches) == 1
    assert len(forecast(HISTORY, PLAN).figure.axes[0].collections) == 1
