"""The pictures of an order on its way into a worklist."""

from coursekit.figures.mapping import levels, wires


def test_wires_name_the_field_of_each_attribute():
    picture = wires([("PID-5", "BRANDT^ILSE"), ("OBR-24", "CT"), ("OBR-18", "A" * 50)],
                    [("(0010,0010)", "Patient's Name", "PID-5"), ("(0008,0050)", "Accession Number", "OBR-18"),
                     ("(0008,0060)", "> Modality", "OBR-24")], "An order")
    assert picture.says == ("An order. Patient's Name (0010,0010) from PID-5; Accession Number (0008,0050) from OBR-18; "
                            "Modality (0008,0060), inside the step sequence, from OBR-24.")
    assert picture.png.startswith(b"\x89PNG")


def test_a_tree_tells_its_levels():
    picture = levels([("order", [("P1", 0)]), ("step", [("PT", 0), ("CT\nfor attenuation", 0)])], "Two steps")
    assert picture.says == "Two steps. A tree of 2 levels. order: P1. step: PT; CT, for attenuation."
    assert picture.png.startswith(b"\x89PNG")
