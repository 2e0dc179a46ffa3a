"""The pictures of tables and keys, of two users, and of a search level by level."""

from coursekit.figures.relational import entities, level_by_level, two_users
from coursekit.hospital import hospital


def test_entities_are_drawn_from_the_declared_keys():
    places = {"patient": (0, 0), "visit": (0, 1), "study": (1, 0), "orders": (1, 1), "series": (2, 0)}
    picture = entities(hospital(0, "tiny").pacs, places, meant=[("series", "study_pk", "study")])
    assert picture.png.startswith(b"\x89PNG")
    for sentence in ("study.patient_pk points to exactly one of patient", "patient.merged_into points to one or none of patient",
                     "orders.visit_pk points to one or none of visit",
                     "series.study_pk is meant to point to study, but that is not declared"):
        assert sentence in picture.says
    assert "issuer" not in picture.says
    assert "declared" not in entities(hospital(0, "tiny").pacs, places).says


def test_two_users_and_what_the_row_is_after_each_step():
    picture = two_users([("A", "opens the form", "side L"), ("B", "saves side", "side R")], "A", "B")
    assert picture.png.startswith(b"\x89PNG")
    assert "1: A opens the form; the row is then side L" in picture.says and "2: B saves side; the row is then side R" in picture.says


def test_level_by_level_counts_one_request_more_than_studies():
    picture = level_by_level([2, 1, 1, 2])
    assert picture.png.startswith(b"\x89PNG")
    assert "finds 4 studies" in picture.says and "5 in all" in picture.says
