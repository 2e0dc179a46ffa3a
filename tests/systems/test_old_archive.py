"""The old archive that studies have to leave: each of its habits, as a client meets it."""

import threading
import time
import warnings

import pytest
from pynetdicom import AE
from pynetdicom.sop_class import Verification

from coursekit.systems.archive import Archive
from coursekit.systems.old_archive import LONG_CODE, TITLE, OldArchive, OldStudy
from coursekit.systems.scu import NoAssociation, Scu
from coursekit.systems.system import HOST


def study(number, date="20240301", series=(("CT", 2),), patient=None):
    return OldStudy(f"2.999.31.{number}", patient or f"EC-{number:05d}", f"TESTER^N{number}", "19700101", "F", date,
                    "101500" if date else "", f"E{number}", "CT head", series)


STUDIES = [study(1), study(2, "20240302"), study(3, "", (("CT", 1), ("MR", 2))), study(4, "20240401", (("CT", 3), ("MR", 1)), "HV100234")]


def asked(archive, **keys):
    return Scu("HV_MOVER", TITLE, archive.port).find("STUDY", **{"StudyInstanceUID": "", "StudyDate": "", **keys})


def test_without_habits_it_is_an_archive():
    with OldArchive(STUDIES) as archive:
        found = asked(archive, NumberOfStudyRelatedInstances="", ModalitiesInStudy="", PatientName="TESTER*")
        assert found.values("StudyInstanceUID") == [f"2.999.31.{number}" for number in (1, 2, 4, 3)]        # no date: at the end
        assert [int(one.NumberOfStudyRelatedInstances) for one in found] == [2, 2, 4, 3] and found.status == 0
        assert list(found[-1].ModalitiesInStudy) == ["CT", "MR"]
        assert asked(archive, PatientID="HV*").values("StudyInstanceUID") == ["2.999.31.4"]


def test_a_range_of_dates_hides_what_has_none():
    with OldArchive(STUDIES) as archive:
        assert len(asked(archive, StudyDate="19000101-20991231")) == 3 and len(asked(archive)) == 4


def test_rows_for_each_series_count_against_the_limit():
    with OldArchive(STUDIES, rows_per_series=True, limit=4) as archive:
        found = asked(archive, NumberOfStudyRelatedInstances="")
        assert found.values("StudyInstanceUID") == ["2.999.31.1", "2.999.31.2", "2.999.31.4", "2.999.31.4"]
        assert [int(one.NumberOfStudyRelatedInstances) for one in found] == [2, 2, 3, 1]


@pytest.mark.parametrize(("limit", "tells", "count", "status"),
                         [(2, True, 2, 0xB001), (2, False, 2, 0), (4, True, 4, 0), (None, True, 4, 0)])
def test_a_limit_is_told_or_not(limit, tells, count, status):
    with OldArchive(STUDIES, limit=limit, tells=tells) as archive:
        found = asked(archive)
        assert (len(found), found.status) == (count, status)


def test_the_last_object_comes_behind_the_last_answer(monkeypatch):
    looked, send_late = threading.Event(), OldArchive._send_late
    monkeypatch.setattr(OldArchive, "_send_late", lambda *given: looked.wait(60) and send_late(*given))
    with Archive("HV_VNA") as target, OldArchive(STUDIES, early=True, peers={"HV_VNA": (HOST, target.port)}) as archive:
        archive.load(STUDIES[:1])
        assert Scu("HV_MOVER", TITLE, archive.port).move("HV_VNA", StudyInstanceUID="2.999.31.1")[:2] == (0, 1)
        assert len(target.store.kept()) == 1
        looked.set()
        limit = time.monotonic() + 10
        while len(target.store.kept()) < 2:
            assert time.monotonic() < limit
            time.sleep(0.02)


def test_what_it_sends_has_another_study_uid_and_a_code_that_is_too_long():
    with Archive("HV_VNA") as target, OldArchive(STUDIES, new_uids=True, long_codes=True, peers={"HV_VNA": (HOST, target.port)}) as archive:
        archive.load(STUDIES[:1])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")                     # pydicom says so, too
            assert Scu("HV_MOVER", TITLE, archive.port).move("HV_VNA", StudyInstanceUID="2.999.31.1")[:2] == (0, 2)
            assert {one.study for one in target.store.kept()} == {"2.999.31.1.1"}
            found = Scu("HV_MOVER", "HV_VNA", target.port).find("SERIES", StudyInstanceUID="2.999.31.1.1", BodyPartExamined="")
            assert found.values("BodyPartExamined") == [LONG_CODE] and len(LONG_CODE) > 16


def test_more_associations_than_it_has_places_for_are_rejected():
    entity = AE("HV_MOVER")
    entity.add_requested_context(Verification)
    with OldArchive(STUDIES, together=1) as archive:
        first = entity.associate(HOST, archive.port, ae_title=TITLE)
        with pytest.raises(NoAssociation) as rejected:
            asked(archive)
        assert (rejected.value.result, rejected.value.source, rejected.value.reason) == (2, 3, 2)
        first.release()
