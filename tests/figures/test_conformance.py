"""Pictures of roles, negotiation and pairs: what they say, and that they are drawn."""

from types import SimpleNamespace

from coursekit.figures.conformance import associations, dialogue, matrix, negotiation, roles


def test_roles_name_both_ends():
    picture = roles([("CT2", "C-STORE-RQ", "CT Image Storage", "HV_PACS")], title="Roles")
    assert picture.says == "Roles. CT2, SCU, sends C-STORE-RQ to HV_PACS, SCP, in the SOP class CT Image Storage."
    assert picture.png.startswith(b"\x89PNG")


def test_associations_say_who_opened_them_and_who_sends():
    picture = associations([("A C-GET", "A", "B", "A", [("A", "C-GET-RQ"), ("B", "C-STORE-RQ")]),
                            ("A report", "A", "B", "B", [("B", "N-EVENT-REPORT-RQ")])], title="Two")
    assert picture.says == ("Two. A C-GET: A opened it; A sends C-GET-RQ to B, then B sends C-STORE-RQ to A. "
                            "A report: B opened it; B sends N-EVENT-REPORT-RQ to A.")
    assert picture.png.startswith(b"\x89PNG")


def test_the_acceptors_favourite_is_chosen_in_each_context():
    picture = negotiation([["RLE", "Explicit"], ["RLE"], ["MPEG"]], ["Explicit", "RLE"])
    assert "context 1 offers RLE, Explicit: Explicit is chosen. context 3 offers RLE: RLE is chosen" in picture.says
    assert picture.says.endswith("context 5 offers MPEG: result 4, nothing in common.") and picture.png.startswith(b"\x89PNG")


def test_a_cell_has_words_and_not_only_a_colour():
    picture = matrix(["A", "B"], [("CT", [(0, "RLE Lossless"), (3, "")]), ("MR", [(4, ""), (0, "Explicit")])], "Pairs")
    assert picture.says == ("Pairs. CT: A 0, accepted in RLE Lossless, B 3, SOP class not accepted; "
                            "MR: A 4, no common transfer syntax, B 0, accepted in Explicit.")
    assert picture.png.startswith(b"\x89PNG")


def test_each_association_of_a_dialogue_has_a_field_of_its_own():
    said = [SimpleNamespace(source=source, target=target, what=what, detail=detail) for source, target, what, detail in (
        ("A", "B", "A-ASSOCIATE-RQ", "calls B"), ("B", "A", "A-ASSOCIATE-AC", ""), ("B", "A", "A-ASSOCIATE-RQ", "calls A"))]
    picture = dialogue(said, "Two")
    assert picture.says == ("Two. Sequence diagram, from the left: A, B. Association 1, opened by A: A to B: A-ASSOCIATE-RQ calls B; "
                            "B to A: A-ASSOCIATE-AC. Association 2, opened by B: B to A: A-ASSOCIATE-RQ calls A.")
    assert picture.png.startswith(b"\x89PNG")
