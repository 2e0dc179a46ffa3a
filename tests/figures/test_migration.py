"""The pictures of a migration: drawn, and told in words."""

from types import SimpleNamespace

from coursekit.figures.migration import burn_down, by_modality, exceptions, stages


def nights(sizes, notes=()):
    return [SimpleNamespace(night=f"2025-03-{place + 1:02d}", size_bytes=size, note=dict(notes).get(place, ""))
            for place, size in enumerate(sizes)]


def test_a_forecast_that_held():
    picture = burn_down(nights([10] * 20), "Steady", first=10)
    assert "promised the end in the night 2025-03-20; it came 0 nights later." in picture.says
    assert "Nights without a run: 0, of which 0 not planned." in picture.says
    assert "2025-03-07 65 %" in picture.says and picture.png.startswith(b"\x89PNG")


def test_a_forecast_that_did_not_hold_and_why():
    notes = [(11, "no run: full backup of the old archive"), (12, "no run: service stopped, nobody noticed")]
    says = burn_down(nights([10] * 10 + [5, 0, 0] + [5] * 14, notes), "Slower", first=10).says
    assert "it came 10 nights later" in says
    assert "Nights without a run: 2, of which 1 not planned (2025-03-13: no run: service stopped, nobody noticed)." in says


def test_slow_nights_are_shaded_and_told():
    notes = [(12, "no run: full backup of the old archive")]
    says = burn_down(nights([10] * 10 + [10, 5, 0, 4] + [10] * 6 + [3], notes), "Slow for a week", first=10).says
    assert "Shaded, with less than 60 % of the first nights: 2025-03-12 to 2025-03-14; 2025-03-21." in says
    assert "Shaded" not in burn_down(nights([10] * 20), "Steady", first=10).says


def test_slow_nights_are_told_with_their_causes():
    slow = nights([10] * 10 + [10, 5, 4] + [10] * 6 + [3])
    says = burn_down(slow, "Slow twice", first=10, causes=["no index on the source", "RAID"]).says
    assert "2025-03-12 to 2025-03-13 (no index on the source); 2025-03-20 (RAID)." in says


def test_speed_by_modality_in_two_rulers():
    picture = by_modality([("CR", 0.2, 12.5), ("CT", 15.4, 8.1)], "One archive")
    assert "CR: 0.20 objects a second, 12.5 MB a second; CT: 15.4 objects a second, 8.1 MB a second." in picture.says
    assert picture.png.startswith(b"\x89PNG")


def test_the_slowest_stage_is_told_in_words():
    picture = stages([("source", 40.0), ("line", 10.0)], "Three stages")
    assert "source 40 hours, the slowest, sets the pace; line 10 hours." in picture.says and picture.png.startswith(b"\x89PNG")


def test_exceptions_and_what_became_of_them():
    picture = exceptions([("A702", 120, "tried again, done", False), ("B000", 4, "objects lost", True)], "A log")
    assert "A702: 120 lines, tried again, done; B000: 4 lines, objects lost." in picture.says and picture.png.startswith(b"\x89PNG")
