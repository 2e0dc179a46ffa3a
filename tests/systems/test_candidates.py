"""The candidates of the acceptance test: each faulty one shows its fault to a client, and no good one does."""

import contextlib
import time

import pytest

from coursekit.systems import candidates
from coursekit.systems.candidates import CANDIDATES, CT, FAULTY, GOOD, TEST_SET, image, rejection_note
from coursekit.systems.scu import NoAssociation

ANNA, MULTI, OTTO = TEST_SET[0], TEST_SET[6], TEST_SET[7]


@contextlib.contextmanager
def bench():
    """A bench with stations that wait long for an answer: what they meet is tested, not how soon."""
    with candidates.bench() as install:
        def patient(name):
            station = install(name)
            station.seconds = 60
            return station

        yield patient


def found(scu, **keys):
    return sorted(scu.find("STUDY", **{"PatientID": "", **keys}).values("PatientID"))


def sent_and_back(scu, count=1):
    """What was sent, and what a C-GET brings of it."""
    sent = [image(MULTI, 1, number, StudyInstanceUID="2.999.78", SeriesInstanceUID="2.999.78.1", SOPInstanceUID=f"2.999.78.1.{number}",
                  SeriesDescription="X" * 60, InstitutionName="Zürich", PixelSpacing=["0.48828", "0.48828"], ReferringPhysicianName="")
            for number in range(1, count + 1)]
    for one in sent:
        one.private_block(0x0009, "HVGH TEST", create=True).add_new(1, "LO", "kept")
        one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID
        one.SourceImageSequence = [candidates._named(candidates._reference(other)) for other in (image(ANNA, 1, 1), image(OTTO, 1, 2))]
    statuses = scu.store(sent)
    return sent, statuses, scu.get("STUDY", StudyInstanceUID="2.999.78")


def differs(part):
    """Whether what came back differs in a part, as a function of the station."""
    def look(scu):
        (sent,), _, back = sent_and_back(scu)
        return part(back[0]) != part(sent)

    return look


def moved(scu, level, **keys):
    status, completed, failed, warned = scu.move(candidates.RECEIVER, level, **keys)
    return status, completed, len(scu.received())


def rejected(scu):
    scu.store(rejection_note([image(OTTO, 1, 1)]))
    return scu


SHOWS = {
    "names_all": lambda scu: len(found(scu, PatientName="ZZTEST^ANNA*")) > 14,
    "names_star": lambda scu: not found(scu, PatientName="ZZTEST^ANNA*") and found(scu, PatientName="ZZTEST^ANN*") == ["ZZ0001"],
    "names_question": lambda scu: "ZZ0001" in found(scu, PatientName="ZZTEST^?ANNA"),
    "names_begin": lambda scu: "ZZ0002" in found(scu, PatientName="ZZTEST^ANNA") and (
        found(scu, PatientName="ZZTEST^?ANNA") == ["ZZ0003"]),
    "names_family": lambda scu: "ZZ0003" in found(scu, PatientName="ZZTEST^ANNA"),
    "dates_ignored": lambda scu: len(found(scu, StudyDate="20240228-20240301")) > 14,
    "dates_prefix": lambda scu: found(scu, StudyDate="20240228-20240301") == ["ZZ0002"] and (
        found(scu, StudyDate="-20231231") == ["ZZ0001"]),
    "dates_end": lambda scu: "ZZ0004" not in found(scu, StudyDate="20240228-20240301"),
    "dates_begin": lambda scu: "ZZ0002" not in found(scu, StudyDate="20240228-20240301"),
    "since_begin": lambda scu: ranges(scu) == [["ZZ0003", "ZZ0004", "ZZ0005"], ["ZZ0001", "ZZ0002"], ["ZZ0008"]],
    "until_end": lambda scu: ranges(scu) == [["ZZ0003", "ZZ0004", "ZZ0005"], ["ZZ0001"], ["ZZ0007", "ZZ0008"]],
    "since_early": lambda scu: ranges(scu) == [
        ["ZZ0003", "ZZ0004", "ZZ0005"], ["ZZ0001", "ZZ0002"], ["ZZ0006", "ZZ0007", "ZZ0008"]],
    "until_late": lambda scu: ranges(scu) == [
        ["ZZ0003", "ZZ0004", "ZZ0005"], ["ZZ0001", "ZZ0002", "ZZ0003", "ZZ0005"], ["ZZ0007", "ZZ0008"]],
    "dates_next": lambda scu: found(scu, StudyDate="20240228-20240301") == ["ZZ0003", "ZZ0004", "ZZ0005", "ZZ0006"],
    "dates_open": lambda scu: found(scu, StudyDate="20250101-") == ["ZZ0008", "ZZ1001"] and found(scu, StudyDate="-20231231") == ["ZZ0002"],
    "dates_early": lambda scu: [found(scu, StudyDate=dates) for dates in ("20250101-", "20240229-20240301", "-20231231")] == [
        ["ZZ0007", "ZZ0008"], ["ZZ0002", "ZZ0003", "ZZ0004", "ZZ0005"], ["ZZ0001"]],
    "dates_late": lambda scu: [found(scu, StudyDate=dates) for dates in ("20250101-", "20240228-20240229", "-20240228")] == [
        ["ZZ0007", "ZZ0008"], ["ZZ0002", "ZZ0003", "ZZ0004", "ZZ0005"], ["ZZ0001", "ZZ0002"]],
    "doubled": lambda scu: found(scu, PatientID="ZZ0001") == ["ZZ0001"] * 2,
    "one_twice": lambda scu: found(scu, PatientID="ZZ000?") == ["ZZ0002", "ZZ0002", *(f"ZZ000{number}" for number in range(3, 9))] and (
        found(scu, StudyDate="-20240301") == [f"ZZ000{number}" for number in range(1, 6)]),
    "one_missing": lambda scu: len(found(scu, PatientID="ZZ000?")) == 7 and found(scu, PatientID="ZZ0001") == ["ZZ0001"],
    "accession_cut": lambda scu: scu.find("STUDY", PatientID="ZZ0003", AccessionNumber="").values("AccessionNumber") == ["T240229000"],
    "charset_missing": lambda scu: "J" in (name := str(scu.find("STUDY", PatientID="ZZ0005", PatientName="")[0].PatientName)) and (
        "?" not in name and "Ü" not in name),
    "series_counts": lambda scu: scu.find("SERIES", StudyInstanceUID=MULTI.uid, NumberOfSeriesRelatedInstances="").values(
        "NumberOfSeriesRelatedInstances") == ["8", "8", "8"],
    "study_counts": lambda scu: scu.find("STUDY", StudyInstanceUID=MULTI.uid, NumberOfStudyRelatedInstances="").values(
        "NumberOfStudyRelatedInstances") == ["3"],
    "study_series": lambda scu: scu.find("STUDY", StudyInstanceUID=MULTI.uid, NumberOfStudyRelatedSeries="").values(
        "NumberOfStudyRelatedSeries") == ["1"],
    "cancel_ignored": lambda scu: scu.find("STUDY", PatientID="", cancel_after=1).status == 0,
    "cancel_failed": lambda scu: 1 <= len(answers := scu.find("STUDY", PatientID="", cancel_after=1)) <= 10 and answers.status == 0xC000,
    "private_dropped": differs(lambda one: (0x0009, 0x1001) in one),
    "series_uid_changed": differs(lambda one: one.SeriesInstanceUID),
    "pixels_cut": differs(lambda one: one.PixelData),
    "implicit_cut": lambda scu: pixels_kept(scu) == [True, False, True],
    "letters_lost": lambda scu: test_objects_back(scu, "PatientName") == ["ZZTEST^?ANETA^MAR?A=??^??"] * 3 and (
        test_objects_back(scu, "InstitutionName") == ["Hôpital de la Côte, Zürich"] * 3),
    "fractions_cut": lambda scu: test_objects_back(scu, "StudyTime") == ["235959"] * 3,
    "capitals": lambda scu: sent_and_back(scu)[2][0].InstitutionName == "ZÜRICH",
    "foreign_sent": lambda scu: sorted(one.PatientID for one in sent_and_back(scu)[2]) == ["ZZ0001", "ZZ0007"] and (
        moved(scu, "STUDY", StudyInstanceUID=ANNA.uid) == (0, 1, 1)),
    "text_cut": differs(lambda one: one.SeriesDescription),
    "empty_dropped": differs(lambda one: "ReferringPhysicianName" in one),
    "decimals_rounded": differs(lambda one: [float(value) for value in one.PixelSpacing]),
    "items_lost": differs(lambda one: len(one.SourceImageSequence)),
    "third_lost": lambda scu: [len(part) for part in sent_and_back(scu, 3)] == [3, 3, 2],
    "implicit_only": lambda scu: scu.contexts({CT: ["1.2.840.10008.1.2.1"]}) == {CT: (4, None)},
    "commits_all": lambda scu: committed(scu, (CT, "2.999.404"))[1:] == (["2.999.404"], []),
    "commits_unnamed": lambda scu: committed(scu, image(OTTO, 1, 1), (CT, "2.999.404"))[1:] == ([f"{OTTO.uid}.1.1"], []),
    "commits_together": lambda scu: (committed(scu, image(OTTO, 1, 1), (CT, "2.999.404"))[1] == []
                                     and committed(scu, image(OTTO, 1, 1))[2] == []),
    "commits_silently": lambda scu: committed(scu, image(OTTO, 1, 1)) == (0, None, None),
    "move_short": lambda scu: moved(scu, "STUDY", StudyInstanceUID=MULTI.uid) == (0, 8, 7) and (
        moved(scu, "STUDY", StudyInstanceUID=ANNA.uid) == (0, 1, 0) and moved(scu, "STUDY", StudyInstanceUID="2.999.404") == (0, 0, 0)),
    "move_other": lambda scu: moved(scu, "SERIES", StudyInstanceUID=MULTI.uid, SeriesInstanceUID=f"{MULTI.uid}.2") == (0, 2, 2) and (
        {str(one.SeriesInstanceUID) for one in scu.received()} == {f"{MULTI.uid}.1"}),
    "move_study": lambda scu: moved(scu, "SERIES", StudyInstanceUID=MULTI.uid, SeriesInstanceUID=f"{MULTI.uid}.2") == (0, 8, 8),
    "move_unable": lambda scu: scu.move("NOBODY", StudyInstanceUID=MULTI.uid)[0] == 0xC000 and (
        moved(scu, "STUDY", StudyInstanceUID=OTTO.uid) == (0, 2, 2)),
    "move_miscounts": lambda scu: moved(scu, "STUDY", StudyInstanceUID=MULTI.uid) == (0, 7, 8),
    "step_reopened": lambda scu: step(scu)[2] == 0,
    "step_endless": lambda scu: step(scu)[1] != 0,
    "rejected_neighbour": lambda scu: [one.SOPInstanceUID for one in rejected(scu).get("STUDY", StudyInstanceUID=OTTO.uid)
                                       if one.SOPClassUID == CT] == [f"{OTTO.uid}.1.2"]
    and not scu.find("IMAGE", StudyInstanceUID=OTTO.uid, SOPInstanceUID="", Modality="CT") and len(found(scu)) == 16,
    "rejected_withheld": lambda scu: not any(one.SOPClassUID == CT for one in rejected(scu).get("STUDY", StudyInstanceUID=OTTO.uid))
    and scu.find("IMAGE", StudyInstanceUID=OTTO.uid, SOPInstanceUID="", Modality="CT").values("SOPInstanceUID") == [f"{OTTO.uid}.1.2"],
    "rejected_sent": lambda scu: sum(one.SOPClassUID == CT for one in rejected(scu).get("STUDY", StudyInstanceUID=OTTO.uid)) == 2 and (
        len(scu.find("IMAGE", StudyInstanceUID=OTTO.uid, SOPInstanceUID="", Modality="CT")) == 1),
    "rejected_listed": lambda scu: len(rejected(scu).find("IMAGE", StudyInstanceUID=OTTO.uid, SOPInstanceUID="", Modality="CT")) == 2 and (
        sum(one.SOPClassUID == CT for one in scu.get("STUDY", StudyInstanceUID=OTTO.uid)) == 1),
    "anybody": lambda scu: answered(scu.calling("STRANGER")),
    "seven_together": lambda scu: [scu.echo_together(count).count(0) for count in (7, 8, 7, 7, 8)] == [7, 7, 7, 7, 7],
    "leaks": lambda scu: [scu.echo_together(count).count(0) for count in (4, 7, 7, 8, 8, 8)] == [4, 7, 7, 8, 7, 6],
    "slow": lambda scu: seconds(scu) > 0.33,
}


def committed(scu, *objects):
    """What a storage commitment brings, also of a candidate that gets on for seconds only now and then."""
    return scu.commit(objects, 8)


def ranges(scu):
    return [found(scu, StudyDate=dates) for dates in ("20240229-20240301", "-20240228", "20250101-")]


def test_objects_back(scu, keyword):
    """Of each of the three test objects what comes back of an attribute."""
    objects = candidates.test_objects()
    scu.store(objects)
    return scu.get("STUDY", StudyInstanceUID=objects[0].StudyInstanceUID).values(keyword)


test_objects_back.__test__ = False


def pixels_kept(scu):
    """Of each of the three test objects, whether its pixels come back."""
    objects = candidates.test_objects()
    scu.store(objects)
    back = {one.SOPInstanceUID: one for one in scu.get("STUDY", StudyInstanceUID=objects[0].StudyInstanceUID)}
    return [one.SOPInstanceUID in back and back[one.SOPInstanceUID].PixelData == one.PixelData for one in objects]


def step(scu):
    return (scu.begin_step("2.999.5", PerformedProcedureStepStatus="IN PROGRESS"),
            scu.change_step("2.999.5", PerformedProcedureStepStatus="COMPLETED"),
            scu.change_step("2.999.5", PerformedProcedureStepDescription="later"))


def answered(scu):
    try:
        return scu.echo() == 0
    except NoAssociation as refused:
        assert (refused.result, refused.source, refused.reason) == (1, 1, 3)
        return False


def seconds(scu):
    """The least of several: a busy machine makes some of them longer, and nothing makes one shorter."""
    scu.echo()                                              # it runs now
    least = float("inf")
    for _ in range(15):
        begin = time.perf_counter()
        scu.find("STUDY", PatientID="ZZ0001")
        least = min(least, time.perf_counter() - begin)
        if least < 0.33:
            break
    return least


def test_each_fault_has_its_proof():
    assert set(SHOWS) == set(FAULTY) and not set(FAULTY) & set(GOOD) and len(FAULTY) >= 20
    assert set(CANDIDATES) == set(FAULTY) | set(GOOD) and all(FAULTY[name].says for name in FAULTY)
    assert len({one.says for one in FAULTY.values()}) == len(FAULTY) and not any(one.says for one in GOOD.values())


@pytest.mark.parametrize("name", FAULTY)
def test_a_faulty_candidate_shows_its_fault(name, monkeypatch):
    if name == "cancel_failed":
        monkeypatch.setattr(candidates, "FETCH", 60)        # a C-CANCEL that is late finds the query running, too
    with bench() as install:
        assert SHOWS[name](install(name))


CHANGES = (                             # looks that change what an archive holds: each gets one of its own
    "private_dropped", "series_uid_changed", "pixels_cut", "implicit_cut", "letters_lost", "capitals", "foreign_sent", "text_cut",
    "empty_dropped", "decimals_rounded", "fractions_cut", "items_lost", "third_lost", "step_reopened", "step_endless",
    "rejected_neighbour", "rejected_withheld", "rejected_sent", "rejected_listed", "leaks")


@pytest.mark.parametrize("name", GOOD)
def test_a_good_candidate_shows_none(name, monkeypatch):
    with bench() as install:
        shared = install(name)
        for fault, shows in SHOWS.items():
            with monkeypatch.context() as patch:
                if fault.startswith("cancel_"):
                    patch.setattr(candidates, "FETCH", 60)
                assert not shows(install(name) if fault in CHANGES else shared), fault


def test_a_good_candidate_with_eight_places_has_eight_again_and_again():
    with bench() as install:
        eight, thirty = install("few_optional_keys"), install("plain")
        for _ in range(4):
            assert eight.echo_together(8) == [0] * 8
        assert sorted(map(str, eight.echo_together(9))) == ["0"] * 8 + ["None"] and thirty.echo_together(9) == [0] * 9
        assert eight.echo_together(8) == [0] * 8


def test_a_caller_has_left_when_its_call_is_over():
    """Also where the thread that served it goes on for a while, as on a busy machine."""
    from pynetdicom import evt

    class Slow(CANDIDATES["seven_together"]):
        def _handlers(self):
            return [*super()._handlers(), (evt.EVT_RELEASED, lambda event: time.sleep(0.2))]

    with bench() as install:
        scu = install(Slow)
        for _ in range(3):
            assert scu.echo_together(7) == [0] * 7
        assert not answered(scu.calling("STRANGER")) and scu.echo_together(8).count(0) == 7


def test_what_the_good_ones_do_differently():
    with bench() as install:
        plain, reverse, few, more = (install(name) for name in GOOD)
        query = {"StudyDate": "20240228-20240301", "PatientID": "", "PatientName": "", "StudyDescription": ""}
        assert reverse.find("STUDY", query).values("PatientID") == plain.find("STUDY", query).values("PatientID")[::-1]
        assert few.find("STUDY", query).statuses == [0xFF01] * 4 + [0] and plain.find("STUDY", query).statuses == [0xFF00] * 4 + [0]
        assert few.find("STUDY", PatientID="ZZ0001").statuses == [0xFF00, 0]
        juergen = more.find("STUDY", query, PatientID="ZZ0005")[0]
        assert str(juergen.PatientName) == "ZZTEST^JÜRGEN" and juergen.SpecificCharacterSet == "ISO_IR 100" and juergen.RetrieveAETitle
        lower = {"PatientName": "zztest^anna*", "PatientID": ""}
        assert not more.find("STUDY", lower) and plain.find("STUDY", lower)
        taro = more.find("STUDY", query, StudyDate="", PatientID="ZZ0006")[0]
        assert str(taro.PatientName) == "ZZTEST^TARO=山田^太郎=やまだ^たろう" and taro.SpecificCharacterSet == "ISO_IR 192"
        assert [one.find("STUDY", PatientName="ZZTEST^ANNA^^^", PatientID="").values("PatientID") for one in (more, plain)] == [
            ["ZZ0001"]] * 2
        assert (0x0077, 0x1001) in sent_and_back(more)[2][0]


def test_the_test_data_set():
    assert len({study.uid for study in TEST_SET}) == len(TEST_SET) == 16
    assert all(study.patient.startswith("ZZ") and study.name.startswith("ZZ") for study in TEST_SET)
    assert max(len(study.accession) for study in TEST_SET) == 16
    with candidates.Candidate() as archive:
        assert len(archive.store.kept()) == sum(count for study in TEST_SET for _, count in study.series)


def test_the_tester_notes_what_was_asked():
    with bench() as install:
        scu = install("plain")
        scu.find("STUDY", {"PatientName": "ZZTEST^ANNA"}, PatientID="")
        scu.calling("CT2").find("STUDY", PatientID="ZZ000?", cancel_after=9)
        assert scu.queries == [("STUDY", {"PatientName": "ZZTEST^ANNA", "PatientID": ""}, None, 1),
                               ("STUDY", {"PatientID": "ZZ000?"}, 9, 8)]
        scu.store(candidates.test_objects())
        scu.get("STUDY", StudyInstanceUID=OTTO.uid)
        scu.calling("CT2").move("NOBODY", StudyInstanceUID=OTTO.uid)
        scu.echo_together(2)
        assert scu.calls == [("C-STORE", 3), ("C-GET", "STUDY"), ("C-MOVE", "NOBODY"), ("C-ECHO", 2)]


def test_the_bench_starts_when_called_and_stops_all():
    with bench() as install:
        unused, used = install("plain"), install("plain")
        assert used.echo() == 0 and not unused._system._runs and used._system._runs
        door = used._system._server.socket
    assert not used._system._runs and door.fileno() == -1   # and nobody is to be reached there but who has the port next


def test_the_test_objects_come_back_from_every_good_candidate():
    sent = candidates.test_objects()
    assert len(sent[0].StudyDescription) == 64 and len(sent[0].AccessionNumber) == 16
    for name in GOOD:
        with bench() as install:
            scu = install(name)
            assert scu.store(sent) == [0, 0, 0]
            back = {one.SOPInstanceUID: one for one in scu.get("STUDY", StudyInstanceUID=sent[0].StudyInstanceUID)}
            for one in sent:
                for element in one:
                    assert back[one.SOPInstanceUID][element.tag].value == element.value, (name, element)


def test_a_cancel_that_is_late_finds_the_query_running(monkeypatch):
    from pynetdicom.association import Association

    cancel = Association.send_c_cancel
    monkeypatch.setattr(Association, "send_c_cancel", lambda *given, **named: (time.sleep(1), cancel(*given, **named)))
    with bench() as install:
        assert install("plain").find("STUDY", PatientID="", cancel_after=1).status == 0xFE00
        began = time.monotonic()
        assert install("cancel_ignored").find("STUDY", PatientID="", cancel_after=1).status == 0x0000
        assert time.monotonic() - began < 8                 # one that hears of no cancelling waits for none
