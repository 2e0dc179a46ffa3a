"""The service class user, against this project's systems and against DCMTK's and Orthanc's."""

import threading
import time

import pytest
from pydicom.uid import JPEG2000Lossless

from coursekit.errors import CourseError
from coursekit.systems.archive import Archive
from coursekit.systems.scu import Answers, NoAssociation, Scu, dataset
from coursekit.systems.services import running
from coursekit.systems.worklist import Worklist
from tests.systems.conftest import CT, ct

WORKLIST_ORDER = (
    "MSH|^~\\&|RIS|HVGH|HV_MWL|HVGH|20250407073000||ORM^O01|M1|P|2.3.1\r"
    "PID|||HV100001^^^HVGH&2.999.1.1&ISO||TESTER^TINA||19700101|F\r"
    "PV1||O\r"
    "ORC|NW|P1|F1||SC||^^^20250407083000^^R\r"
    "OBR|1|P1|F1|CTHEAD^CT head^HV" + "|" * 14 + "A2504070001|RP1|SPS1||||CT|||^^^20250407083000^^R\r"
    "ZDS|2.999.7^HVGH^Application^DICOM\r")


def test_store_find_get_move_and_commit():
    with Archive("WS_ED1") as station, Archive("HV_PACS", peers={"WS_ED1": ("127.0.0.1", station.port)}) as archive:
        scu = Scu("CT2", "HV_PACS", archive.port)
        assert scu.echo() == 0
        assert scu.store(ct()) == [0] and scu.store([ct(2), ct(3)]) == [0, 0]
        found = scu.find("STUDY", PatientName="TEST*", StudyInstanceUID="")
        assert [str(one.PatientName) for one in found] == ["TESTER^TINA"] and found.statuses == [0xFF00, 0]
        assert repr(found) == "<1 data sets; statuses FF00H, 0000H>"
        images = scu.find("IMAGE", {"StudyInstanceUID": "2.999.7"}, SOPInstanceUID="", cancel_after=1)
        assert 1 <= len(images) <= 3
        got = scu.get("STUDY", StudyInstanceUID="2.999.7")
        assert sorted(one.InstanceNumber for one in got) == [1, 2, 3] and got.status == 0
        assert got[0].file_meta.MediaStorageSOPInstanceUID == got[0].SOPInstanceUID
        assert scu.move("WS_ED1", "STUDY", StudyInstanceUID="2.999.7") == (0, 3, 0, 0)
        assert len(station.store.kept()) == 3
        assert scu.move("NOBODY", "STUDY", StudyInstanceUID="2.999.7")[0] == 0xA801
        status, committed, failed = scu.commit([ct(1), (CT, "2.999.404")])
        assert (status, committed, failed) == (0, ["2.999.7.1.1"], ["2.999.404"])


def test_worklist_and_performed_steps():
    with Worklist("HV_MWL") as worklist:
        assert worklist.take(WORKLIST_ORDER)["MSA-1"] == "AA"
        scu = Scu("CT2", "HV_MWL", worklist.port)
        found = scu.worklist(PatientName="", ScheduledProcedureStepSequence={"Modality": "CT"})
        assert len(found) == 1 and found.status == 0
        assert not scu.worklist(ScheduledProcedureStepSequence=[{"Modality": "MR"}])
        assert scu.begin_step("2.999.5", PerformedProcedureStepStatus="IN PROGRESS") == 0
        assert scu.change_step("2.999.5", PerformedProcedureStepStatus="COMPLETED") == 0
        assert scu.change_step("2.999.5", PerformedProcedureStepStatus="COMPLETED") == 0x0110


def test_contexts_are_told_with_results():
    with Archive("HV_PACS") as archive:
        scu = Scu("MG1", "HV_PACS", archive.port)
        assert scu.contexts({CT: [JPEG2000Lossless], "2.999.1": ["1.2.840.10008.1.2"]}) == {CT: (0, JPEG2000Lossless), "2.999.1": (3, None)}
        assert scu.contexts({"2.999.1": ["1.2.840.10008.1.2"]}) == {"2.999.1": (3, None)}
        assert scu.contexts({CT: ["2.999.2"]}) == {CT: (4, None)}
        proposed = [(CT, ["2.999.2"]), ("2.999.1", ["1.2.840.10008.1.2"]), (CT, [JPEG2000Lossless]), (CT, [JPEG2000Lossless])]
        assert scu.negotiate(proposed) == [(1, 4, None), (3, 3, None), (5, 0, JPEG2000Lossless), (7, 0, JPEG2000Lossless)]


def test_an_object_that_is_not_accepted_gets_none():
    with Worklist("HV_MWL") as worklist, pytest.raises(NoAssociation, match="none of the presentation contexts"):
        Scu("CT2", "HV_MWL", worklist.port).store(ct())


@pytest.mark.parametrize("behaviour, said, numbers", [
    ("closed", "can't be reached", (None, None, None)), ("aborts", "aborted it or did not answer", (None, None, None)),
    ("hangs up", "aborted it or did not answer", (None, None, None)),
    ("renamed", "result 1, source 1, reason 7", (1, 1, 7)), ("strict", "result 1, source 1, reason 3", (1, 1, 3)),
    ("busy", "result 2, source 3, reason 2", (2, 3, 2)), ("no context", "none of the presentation contexts", (None, None, None)),
])
def test_no_association_is_told_in_a_sentence(behaviour, said, numbers):
    with running([(behaviour, "HV_PACS")]) as (service,):
        with pytest.raises(NoAssociation, match=said) as raised:
            Scu("CT2", "HV_PACS", service.port).echo()
    assert (raised.value.result, raised.value.source, raised.value.reason) == numbers


def test_a_silent_one_is_not_waited_for_without_end():
    with running([("silent", "HV_PACS")]) as (service,), pytest.raises(NoAssociation, match="did not answer"):
        Scu("CT2", "HV_PACS", service.port, seconds=0.5).echo()


def test_a_wrong_keyword_is_told():
    with pytest.raises(CourseError, match="`PatientsName` is no keyword"):
        dataset(PatientsName="")


def test_values_of_answers():
    found = Answers([dataset(PatientID="1", PatientName="A^B"), dataset(PatientID="2")])
    assert found.values("PatientID") == ["1", "2"] and found.values("PatientName") == ["A^B", ""]


def test_many_at_the_same_time():
    with Archive("HV_PACS", callers=["CT2"]) as archive:
        assert Scu("CT2", "HV_PACS", archive.port).echo_together(8) == [0] * 8
        assert Scu("STRANGER", "HV_PACS", archive.port).echo_together(3) == [None] * 3
        archive._entity.maximum_associations = 3
        few = Scu("CT2", "HV_PACS", archive.port).echo_together(8)
        assert few.count(0) < 8 and set(few) <= {0, None}


def test_only_some_classes_come_by_get():
    with Archive("HV_PACS") as archive:
        scu = Scu("CT2", "HV_PACS", archive.port, classes=["1.2.840.10008.5.1.4.1.1.4"])
        assert scu.store(ct()) == [0]
        assert scu.get("STUDY", StudyInstanceUID="2.999.7") == []
        assert Scu("CT2", "HV_PACS", archive.port).get("STUDY", StudyInstanceUID="2.999.7")


def test_no_answer_goes_astray():
    """A caller's association has a thread of its own, which must not take from the queue what the caller waits for."""
    with Archive("HV_PACS") as archive:
        scu = Scu("CT2", "HV_PACS", archive.port)
        for number in range(1, 41):
            assert scu.store([ct(number), ct(number + 1), ct(number + 2)]) == [0, 0, 0]


def test_no_answer_is_taken_by_the_associations_own_thread(monkeypatch):
    """On a busy machine that thread may be put aside just when it goes on, and not say for a while that it is no longer held; and the one
    who asked may come late to fetch the answer."""
    from pynetdicom.association import Association
    from pynetdicom.dimse import DIMSEServiceProvider

    fetch = DIMSEServiceProvider.get_msg

    def put_aside(association, held):
        if not held and threading.current_thread() is association and association.is_requestor:
            time.sleep(0.03)
        association.held = held

    def late(dimse, block=False):
        if block:
            time.sleep(0.06)
        return fetch(dimse, block)

    with Archive("HV_PACS") as archive:
        monkeypatch.setattr(Association, "_is_paused", property(lambda association: association.held, put_aside), raising=False)
        monkeypatch.setattr(DIMSEServiceProvider, "get_msg", late)
        scu = Scu("CT2", "HV_PACS", archive.port)
        assert [scu.echo() for _ in range(10)] == [0] * 10
        assert [scu.store([ct(number) for number in range(1, 4)]) for _ in range(3)] == [[0, 0, 0]] * 3


def test_a_rejection_that_is_there_before_anybody_looks(monkeypatch):
    from pynetdicom.acse import ACSE

    request = ACSE.send_request

    def put_aside(acse):
        request(acse)
        time.sleep(0.2)                 # the connection is open, the association rejected and the connection closed in the meantime

    with Archive("HV_PACS", callers=["CT2"]) as archive:
        monkeypatch.setattr(ACSE, "send_request", put_aside)
        with pytest.raises(NoAssociation, match="result 1, source 1, reason 3"):
            Scu("STRANGER", "HV_PACS", archive.port).echo()
