"""The pictures of image exchange: drawn, and told in words."""

from coursekit.figures.scenarios import federation, scenario_map


def test_the_map_tells_each_cell():
    picture = scenario_map(["the sender acts", "the reader acts"], ["known", "not known"],
              {(0, 0): [("XDR-I", "straight to a recipient " * 4)], (1, 0): [("DICOMweb", "a study"), ("XDS-I.b", "a patient")]},
              "A map")
    assert "known, the sender acts: XDR-I: straight to a recipient" in picture.says
    assert "known, the reader acts: DICOMweb: a study; XDS-I.b: a patient" in picture.says
    assert "not known, the sender acts: nothing" in picture.says
    assert picture.png.startswith(b"\x89PNG")


def test_who_answered_in_time_and_who_did_not():
    asked = [("Northmere", 0.2, "3 documents"), ("Southmark", None, "XDSUnavailableCommunity"), ("Westhaven", 9, "too late")]
    picture = federation(asked, 5, "A query")
    assert "Northmere: answered after 0.2 seconds, 3 documents" in picture.says
    assert "Southmark: no answer within 5 seconds, XDSUnavailableCommunity; Westhaven: no answer within 5 seconds" in picture.says
    doubtful = federation([*asked, ("Eastland", 0.6, "not known here", "in doubt")], 5, "A query")
    assert "Eastland: answered after 0.6 seconds, not known here, which tells nothing" in doubtful.says
    assert picture.png.startswith(b"\x89PNG") and picture.png != federation([("Northmere", 0.2, "3")], 5, "A query").png
