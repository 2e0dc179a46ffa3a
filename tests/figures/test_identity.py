"""The pictures of patient identity."""

from coursekit.figures.identity import groups, weights


def test_persons_before_and_after():
    picture = groups([("Anna", ["HVGH HV1", "NMH NM1"]), ("Unknown", ["HVGH HVTMP1"])], [("Anna", ["HVGH HV1", "NMH NM1"])], "A merge",
                     retired=["HVGH HVTMP1"])
    assert picture.says == ("A merge. Before: Anna has HVGH HV1 and NMH NM1; Unknown has HVGH HVTMP1. "
                            "After: Anna has HVGH HV1 and NMH NM1; retired: HVGH HVTMP1.")
    assert picture.png.startswith(b"\x89PNG")


def test_two_numbers_of_one_domain_are_duplicates():
    picture = groups([("Anna", ["HVGH  HV1", "NMH   NM1"])], [("Anna", ["HVGH  HV1", "NMH   NM1", "NMH   NM2"])], "A merge")
    assert picture.says.endswith("After: Anna has HVGH HV1 and NMH NM1 and NMH NM2, of which NMH NM1 and NMH NM2 are duplicates.")
    assert picture.says.count("duplicates") == 1


def test_a_sum_with_its_thresholds():
    picture = weights([("family", "same", 8.0), ("given", "differ", -4.3), ("phone", "not known", 0)], "Two records", 9, 16)
    assert picture.says == ("Two records. Bars from the top, each beginning where the one above ended. "
                            "family, same: +8.0; given, differ: -4.3; phone, not known: nothing. "
                            "The sum is 3.7 points; review begins at 9, link at 16: apart.")
    assert weights([("family", "same", 9.0)], "x", 9, 16).says.endswith(": review.")
    assert weights([("family", "same", 16.0)], "x", 9, 16).says.endswith(": link.")
    assert picture.png.startswith(b"\x89PNG")
