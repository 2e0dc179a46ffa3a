"""The index of a real Orthanc: its tables as it made them, with the hospital's objects in it."""

import pytest

from coursekit.hospital import hospital, orthanc
from coursekit.hospital.database import DatabaseSaysNo


@pytest.fixture(scope="module")
def index():
    try:
        orthanc.program()
    except orthanc.NoOrthanc as missing:
        pytest.skip(str(missing))
    return orthanc.index(hospital(101, "tiny"))


def test_the_tables_are_described_as_they_are(index):
    for table in orthanc.TABLES:
        real = [row[1] for row in index.rows(f"PRAGMA table_info({table.name})")[1]]
        assert [column.name for column in table.columns] == real[:len(table.columns)], table.name
    assert index.tables()["rows"].min() > 0
    assert list(index.columns("Resources")["column"]) == ["internalId", "resourceType", "publicId", "parentId"]


def test_the_levels_hold_what_was_sent(index):
    """The numbers in the descriptions: levels 1 to 4, tags in decimal, senders as metadata 3."""
    sent = orthanc.objects(hospital(101, "tiny"))
    every = [ds for datasets in sent.values() for ds in datasets]
    levels = [len({getattr(ds, keyword) for ds in every})
              for keyword in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")]
    assert [row[1] for row in index.rows("SELECT resourceType, COUNT(*) FROM Resources GROUP BY 1 ORDER BY 1")[1]] == levels
    assert index.rows("SELECT MIN(resourceType), MAX(resourceType) FROM Resources")[1] == [(1, 4)]
    tags = {"StudyDate": (2, 8, 32), "StudyTime": (2, 8, 48), "AccessionNumber": (2, 8, 80), "PatientName": (2, 16, 16),
            "PatientID": (2, 16, 32), "StudyInstanceUID": (2, 32, 13), "Modality": (3, 8, 96)}
    for keyword, (level, group, element) in tags.items():
        held = {row[0] for row in index.rows(
            "SELECT value FROM MainDicomTags JOIN Resources ON internalId = id "
            f"WHERE resourceType = {level} AND tagGroup = {group} AND tagElement = {element}")[1]}
        assert held == {str(getattr(ds, keyword)).strip() for ds in every}, keyword
    for level in (3, 4):
        assert {row[0] for row in index.rows("SELECT value FROM Metadata JOIN Resources ON internalId = id WHERE type = 3 AND "
                                             f"resourceType = {level}")[1]} == set(sent)
    assert index.rows("SELECT DISTINCT value FROM Metadata WHERE type = 8")[1] == [("DicomProtocol",)]
    assert index.rows("SELECT COUNT(*) FROM AttachedFiles WHERE fileType = 1")[1] == [(len(every),)]


def test_what_is_sent_is_as_the_tables_say():
    h = hospital()
    sent = [ds for datasets in orthanc.objects(h).values() for ds in datasets]
    assert 300 < len(sent) < 1000
    case = h.truth["case_17"]
    missed = [ds for ds in sent if ds.StudyInstanceUID == case["study_uid"]]
    assert missed and {(str(ds.PatientID), str(ds.PatientName), ds.AccessionNumber) for ds in missed} == {
        (case["typed_id"], case["typed_name"], "")}
    assert {ds.StudyInstanceUID for ds in sent} <= set(h.tables["study"].query("deleted == 0")["study_uid"])


def test_it_can_only_be_read(index):
    for statement in ("DELETE FROM Resources", "UPDATE MainDicomTags SET value = 'X'"):
        with pytest.raises(DatabaseSaysNo, match="read-only"):
            index.sql(statement)
    with pytest.raises(DatabaseSaysNo, match="Did you mean Resources"):
        index.sql("SELECT * FROM Resource")
    with pytest.raises(DatabaseSaysNo, match="Did you mean internalId"):
        index.sql("SELECT internalIdd FROM Resources")


def test_it_is_made_once(index):
    assert orthanc.index(hospital(101, "tiny")) is index


def test_a_program_that_does_not_start_is_said(tmp_path):
    import sys
    with pytest.raises(orthanc.NoOrthanc, match="did not start"), orthanc.running(sys.executable, tmp_path, ["CT1"]):
        pass
