"""Pictures of what the objects of one exam must say."""

from pydicom import Dataset

from coursekit.figures import modality_content as figures
from coursekit.hospital import hospital


def test_what_goes_from_where_to_where_is_told():
    assert "Study Instance UID" in figures.threads().says and figures.threads().png.startswith(b"\x89PNG")


def test_blocks_are_told_by_creator_and_the_brief_ones_without_their_elements():
    images = {}
    for title, creators in (("one", ("A", "B")), ("other", ("B", "A"))):
        ds = Dataset()
        for creator in creators:
            ds.private_block(0x0019, creator, create=True).add_new(1, "LO", f"value of {creator}")
        images[title] = ds
    picture = figures.blocks(images, brief=["other"])
    assert picture.png.startswith(b"\x89PNG")
    assert "(0019,0010) reserves block 10 for A, (0019,1001) = value of A" in picture.says
    assert "other: (0019,0010) reserves block 10 for B (contents not shown); (0019,0011) reserves block 11 for A (" in picture.says
    assert "for B (asked later)" in figures.blocks(images, brief=["other"], instead="asked later").says


def test_findings_are_told_by_device():
    picture = figures.findings_map({"CT, new": [("(0010,0020)", "empty")], "MR, old": []}, {"(0010,0020)": "PatientID"})
    assert "CT, new: (0010,0020) PatientID empty; MR, old: none" in picture.says and picture.png.startswith(b"\x89PNG")


def test_a_phantom_s_slices_are_told_with_what_is_to_be_measured():
    images = hospital(0, "tiny").image("ct_qc_smooth")
    picture = figures.slices(images, ["inserts", "water", "bars"], (194, 317, 190, 310), 1)
    assert "phantom[2]: bars. In phantom[1] a box around rows 194 to 316, columns 190 to 309" in picture.says
    assert picture.png.startswith(b"\x89PNG")
