"""Worklist, its query log, and the performed procedure steps agree with orders, studies and series."""

import collections
import shutil
import subprocess
import time

import pytest
from pydicom.sr.codedict import codes

from coursekit.hospital import hospital, worklist


@pytest.fixture(scope="module", params=(1, 2, 3))
def h(request):
    return hospital(request.param, "tiny")


def scheduled(item):
    return item["ScheduledProcedureStepSequence"][0]


def test_items_are_orders_that_wait(h):
    at = "2025-04-02 08:00:00"
    orders = {row[0]: row for row in h.pacs.rows(
        "SELECT accession, ordered_utc, study_uid, status, station_aet, modality FROM orders")[1]}
    for item in h.worklist.items(at):
        row = next(row for accession, row in orders.items() if accession[:16] == item["AccessionNumber"])
        assert row[1] < at and row[2] == item["StudyInstanceUID"]
        assert scheduled(item)["Modality"] == row[5] or row[0] and row[5] == "PT"
        assert len(item["AccessionNumber"]) <= 16 and len(scheduled(item)["ScheduledProcedureStepID"]) <= 16
    assert h.worklist.items(at)


def test_an_item_leaves_when_its_exam_begins(h):
    for step in h.mpps:
        if step.status == "COMPLETED" and step.started_utc > "2025-03-12":
            uids = {item["StudyInstanceUID"] for item in h.worklist.items(step.started_utc)}
            assert step.study_uid not in uids
            break
    else:
        raise AssertionError("no step was completed")


def test_future_orders_are_on_the_list_and_cancelled_ones_are_not(h):
    now = {item["StudyInstanceUID"] for item in h.worklist.items()}
    for uid, status in h.pacs.rows("SELECT study_uid, status FROM orders WHERE scheduled_local > '2025-04-07 07:30:00'")[1]:
        assert (uid in now) == (status == "SCHEDULED")


def test_a_pet_ct_has_two_steps_of_one_procedure():
    found = collections.Counter()
    for seed in range(1, 9):
        h = hospital(seed, "tiny")
        for ordered, in h.pacs.rows("SELECT ordered_utc FROM orders WHERE procedure_code = 'PETCT' "
                                    "AND ordered_utc > '2025-03-10'")[1]:
            for item in h.worklist.items(ordered[:17] + "59"):
                if item["RequestedProcedureCodeSequence"][0]["CodeValue"] == "PETCT":
                    found[item["RequestedProcedureID"], scheduled(item)["Modality"]] += 1
    procedures = {procedure for procedure, _ in found}
    assert procedures and all(found[procedure, "PT"] == found[procedure, "CT"] for procedure in procedures)


def test_the_merge_of_case_17_reaches_the_worklist_and_the_order_stays_scheduled(h):
    facts = h.incidents[0].facts
    for at, pid in ((facts["first_image_utc"], facts["temporary_id"]), ("2025-03-30 05:06:00", facts["patient_id"]),
                    ("2025-04-07 05:30:00", facts["patient_id"])):
        item, = (item for item in h.worklist.items(at) if item["AccessionNumber"] == facts["accession"])
        assert item["PatientID"] == pid and item["StudyInstanceUID"] == facts["planned_study_uid"]
    assert scheduled(item)["ScheduledStationAETitle"] == "CTER01"       # the RIS learnt the new title on Monday


def test_only_the_renamed_scanner_is_refused(h):
    refused = [query for query in h.worklist.queries if query.status != "0000"]
    assert refused and {query.aet for query in refused} == {"CTER01"}
    assert all(query.status == "A-ASSOCIATE-RJ 1/1/3" and query.matches == 0 for query in refused)
    assert all("2025-03-29 12:50:00" < query.at_utc < "2025-03-31 06:15:00" for query in refused)
    assert [query.at_utc for query in h.worklist.queries] == sorted(query.at_utc for query in h.worklist.queries)


def test_completed_steps_list_what_the_archive_holds_save_the_planted(h):
    faults = {incident.facts["study_uid"]: incident.facts["n_missing"] for incident in h.incidents
              if incident.id.startswith("A1-10")}
    held = collections.defaultdict(dict)
    for uid, series, count in h.pacs.rows("SELECT study_uid, series_uid, series.n_instances FROM study JOIN series ON "
                                          "study_pk = study.pk WHERE series.modality NOT IN ('PR', 'KO')")[1]:
        held[uid][series] = count
    completed = [step for step in h.mpps if step.status == "COMPLETED"]
    for step in completed:
        listed = {series.series_uid: len(series.sop_uids) for series in step.series}
        more = sum(listed.values()) - sum(held[step.study_uid].values())
        assert more == faults.get(step.study_uid, 0)
        assert held[step.study_uid].keys() <= listed.keys()
    assert faults.keys() <= {step.study_uid for step in completed}


def test_referenced_instances_are_those_of_the_archive(h):
    held = collections.defaultdict(set)
    for series, sop in h.pacs.rows("SELECT series_uid, sop_uid FROM series JOIN instance ON series_pk = series.pk")[1]:
        held[series].add(sop)
    compared = 0
    for step in h.mpps:
        for series in step.series:
            if series.series_uid in held:
                compared += 1
                assert held[series.series_uid] <= set(series.sop_uids)
    assert compared > 5


def test_ends_of_steps_are_those_of_the_database(h):
    complete = dict(h.pacs.rows("SELECT study_uid, exam_complete_utc FROM study")[1])
    for step in h.mpps:
        if step.status == "COMPLETED":
            assert step.ended_utc == complete[step.study_uid] and step.started_utc < step.ended_utc
        elif step.reason is None:
            assert complete[step.study_uid] is None and step.ended_utc is None


def test_steps_go_wrong_in_every_way():
    steps = [step for seed in range(1, 13) for step in hospital(seed, "tiny").mpps]
    assert {(step.status, step.reason and step.reason[0]) for step in steps} == {
        ("COMPLETED", None), ("IN PROGRESS", None), (None, None), ("DISCONTINUED", "110501"), ("DISCONTINUED", "110514")}
    assert {refusal[2] for step in steps for refusal in step.refusals} == {"A-ASSOCIATE-RJ 1/1/3", "0110"}


def test_codes_of_discontinuation_are_the_standard_s():
    for value, scheme, meaning in (worklist.EQUIPMENT_FAILURE, worklist.WRONG_ENTRY):
        known = {code.value: code.meaning for code in (getattr(codes.DCM, name) for name in codes.DCM.dir())}
        assert scheme == "DCM" and known[value] == meaning


def test_items_are_data_sets_that_a_foreign_worklist_server_answers(tmp_path):
    server, client = shutil.which("wlmscpfs"), shutil.which("findscu")
    if not (server and client):
        pytest.skip("DCMTK's wlmscpfs and findscu judge the items; they are not installed here")
    import socket

    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian
    h = hospital(1, "tiny")
    folder = tmp_path / "HV_MWL"
    folder.mkdir()
    (folder / "lockfile").touch()
    items = h.worklist.items("2025-03-30 01:41:03")
    for number, item in enumerate(items):
        made = worklist.dataset(item)
        made.file_meta = pydicom.dataset.FileMetaDataset()
        made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        pydicom.dcmwrite(folder / f"{number}.wl", made, little_endian=True, implicit_vr=False)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    running = subprocess.Popen([server, "-s", "-dfp", str(tmp_path), port], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        for key, expected in (("ScheduledProcedureStepSequence[0].Modality=CT",
                               sum(scheduled(item)["Modality"] == "CT" for item in items)),
                              (f"AccessionNumber={h.incidents[0].facts['accession']}", 1)):
            for _ in range(40):
                asked = subprocess.run([client, "-W", "-aec", "HV_MWL", "-k", "AccessionNumber", "-k",
                                        "ScheduledProcedureStepSequence[0].Modality", "-k", "StudyInstanceUID", "-k", key,
                                        "127.0.0.1", port], check=False, capture_output=True)
                if asked.returncode == 0:
                    break
                time.sleep(0.1)
            answer = asked.stdout + asked.stderr
            assert answer.count(b"(0020,000d)") - answer.split(b"Find Response")[0].count(b"(0020,000d)") == expected, answer
    finally:
        running.terminate()
        running.communicate()
