"""Pictures of a tender: what they say, and that they are drawn."""

from coursekit.figures.tender import plane, scales, tornado


def test_the_leader_hangs_on_the_reference_price():
    bids = {"A": (4_000_000, 92), "B": (3_600_000, 88.2), "C": (2_600_000, 60)}
    picture = plane(bids, 60, {"C counts": (2_600_000, ["A", "B", "C"]), "C is out": (3_600_000, ["A", "B"])}, "Three bids", near=("A", "B"))
    assert picture.says.startswith("Three bids. A 4.00 million euros, quality 92; B 3.60 million euros, quality 88.2; C 2.60 million")
    assert "quality 60, an open circle" in picture.says
    assert "C counts: A 81.20, B 81.81, C 76.00; B leads. C is out: A 91.20, B 92.92; B leads." in picture.says
    assert picture.says.endswith("A lies below the line of B where C counts; A lies below the line of B where C is out.")
    assert picture.png.startswith(b"\x89PNG")


def test_the_widest_bar_is_on_top_and_both_ends_are_told():
    picture = tornado([("viewer", 10, 1.5, 2.5), ("IHE", 12, 3.25, -0.5)], 2, "Weights", "A", "B")
    assert picture.says == ("Weights. A leads B by 2.00 points. IHE, 12 per cent: 3.25 when halved, -0.50 when doubled; "
                            "viewer, 10 per cent: 1.50 when halved, 2.50 when doubled.")
    more = tornado([("viewer", 10, 1.5, 2.5), ("IHE", 12, 3.25, -0.5)], 2, "Weights", "A", "B", needed=1)
    assert more.says == picture.says + " To get the award A has to lead by 1.00; below that: IHE doubled."
    assert tornado([("viewer", 10, 1.5, 2.5)], 2, "Weights", "A", "B", needed=1).says.endswith("below that: none.")
    assert picture.png.startswith(b"\x89PNG")


def test_scales_tell_each_evaluators_shares():
    picture = scales({"mild": {5: 97, 4: 2.7, 0: 0.3}, "strict": {0: 10, 3: 90}}, "Points")
    assert picture.says == ("Points. strict, mean 2.7: 0: 10 per cent, 3: 90 per cent; "
                            "mild, mean 5.0: 0: less than half a per cent, 4: 3 per cent, 5: 97 per cent.")
    assert picture.png.startswith(b"\x89PNG")
