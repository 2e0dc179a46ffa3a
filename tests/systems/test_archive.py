"""The archive, asked by pynetdicom and by DCMTK: what it keeps, finds, sends, commits and refuses."""

import os
import random
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import pytest
from ports import own_port
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom import sop_class as sop

from coursekit.standards.associations import at_once
from coursekit.systems import dicom_server
from coursekit.systems.archive import Archive
from coursekit.systems.certificates import Authority
from coursekit.systems.scu import NoAssociation, Scu
from coursekit.systems.store import NotStorable, Store
from tests.systems.conftest import CT, ct

FIND, MOVE, GET = (sop.StudyRootQueryRetrieveInformationModelFind, sop.StudyRootQueryRetrieveInformationModelMove,
                   sop.StudyRootQueryRetrieveInformationModelGet)
KOS = "1.2.840.10008.5.1.4.1.1.88.59"


def calling(archive, *contexts, title="CT1", called=None, roles=(), handlers=()):
    entity = AE(title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 120
    for context in contexts:
        entity.add_requested_context(*context) if isinstance(context, tuple) else entity.add_requested_context(context)
    return entity.associate("127.0.0.1", archive.port, ae_title=called or archive.title, ext_neg=list(roles),
                            evt_handlers=[(evt.EVT_CONN_OPEN, at_once), *handlers])


def store(archive, *datasets, title="CT1"):
    association = calling(archive, *{dataset.SOPClassUID for dataset in datasets}, title=title)
    assert association.is_established
    statuses = [association.send_c_store(dataset).Status for dataset in datasets]
    association.release()
    return statuses


def find(archive, level="STUDY", **keys):
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    association = calling(archive, FIND)
    answers = list(association.send_c_find(identifier, FIND))
    association.release()
    assert answers[-1][0].Status == 0
    return [(status.Status, item) for status, item in answers[:-1]]


@pytest.fixture
def archive():
    with Archive() as archive:
        yield archive


def test_what_was_stored_is_found_at_each_level(archive):
    assert store(archive, ct(1), ct(2), ct(1, "2.999.8", PatientName="Müller^Jürgen", Modality="MR", StudyDate="20240101")) == [0, 0, 0]
    (status, study), = find(archive, StudyInstanceUID="2.999.7", PatientName="", ModalitiesInStudy="", NumberOfStudyRelatedInstances="")
    assert (status, study.PatientName, study.ModalitiesInStudy, study.NumberOfStudyRelatedInstances) == (0xFF00, "TESTER^TINA", "CT", 2)
    (_, series), = find(archive, "SERIES", StudyInstanceUID="2.999.7", SeriesInstanceUID="", Modality="")
    assert (series.SeriesInstanceUID, series.Modality) == ("2.999.7.1", "CT")
    images = find(archive, "IMAGE", StudyInstanceUID="2.999.7", SeriesInstanceUID="2.999.7.1", SOPInstanceUID="")
    assert [item.SOPInstanceUID for _, item in images] == ["2.999.7.1.1", "2.999.7.1.2"]
    (_, study), = find(archive, PatientName="m?ller*", StudyInstanceUID="")
    assert (str(study.PatientName), study.SpecificCharacterSet) == ("Müller^Jürgen", "ISO_IR 192")


@pytest.mark.parametrize("keys, count", [
    ({"StudyDate": "20250101-"}, 1), ({"StudyDate": "-20241231"}, 1), ({"StudyDate": "20240101-20250407"}, 2), ({"StudyDate": "20230101"}, 0),
    ({"PatientName": "*"}, 2), ({"PatientName": "TESTER^T*"}, 1), ({"PatientName": "TESTER"}, 0), ({"PatientID": "HV1*"}, 2),
    ({"StudyInstanceUID": ["2.999.7", "2.999.8", "2.999.9"]}, 2), ({"ModalitiesInStudy": "MR"}, 1), ({"AccessionNumber": ""}, 2),
    ({"StudyTime": "0730"}, 2), ({"StudyTime": "0800-"}, 0), ({"StudyTime": "-07"}, 2),
])
def test_matching(archive, keys, count):
    store(archive, ct(), ct(1, "2.999.8", PatientName="MUELLER^J", Modality="MR", StudyDate="20240101"))
    assert len(find(archive, **{"StudyInstanceUID": "", **keys})) == count


def test_an_unknown_optional_key_makes_ff01(archive):
    store(archive, ct())
    assert [status for status, _ in find(archive, StudyInstanceUID="", PatientComments="")] == [0xFF01]
    (status, study), = find(archive, StudyInstanceUID="", PatientComments="anything", RetrieveAETitle="")
    assert status == 0xFF01 and "PatientComments" not in study and study.RetrieveAETitle == "HV_PACS"


def test_a_find_can_be_cancelled(archive):
    store(archive, *(ct(1, f"2.999.7.{number}") for number in range(60)))
    identifier = Dataset()
    identifier.QueryRetrieveLevel, identifier.StudyInstanceUID = "STUDY", ""
    association = calling(archive, FIND)
    statuses = []
    for status, _ in association.send_c_find(identifier, FIND, msg_id=5):
        statuses.append(status.Status)
        if len(statuses) == 1:
            association.send_c_cancel(5, query_model=FIND)
    association.release()
    assert statuses[-1] in (0xFE00, 0x0000)


def test_a_move_goes_to_a_known_destination_alone(archive):
    store(archive, ct(1), ct(2))
    identifier = Dataset()
    identifier.QueryRetrieveLevel, identifier.StudyInstanceUID = "STUDY", "2.999.7"
    with Archive("WS_ED1") as workstation:
        archive.peers["WS_ED1"] = ("127.0.0.1", workstation.port)
        association = calling(archive, MOVE)
        final = list(association.send_c_move(identifier, "WS_ED1", MOVE))[-1][0]
        unknown = list(association.send_c_move(identifier, "WS_ED9", MOVE))[-1][0]
        association.release()
        assert (final.Status, final.NumberOfCompletedSuboperations, unknown.Status) == (0, 2, 0xA801)
        assert [one.sop for one in workstation.store.kept()] == ["2.999.7.1.1", "2.999.7.1.2"]


def test_a_get_brings_the_objects_as_they_were(archive):
    store(archive, ct(1), ct(2))
    got = []
    identifier = Dataset()
    identifier.QueryRetrieveLevel, identifier.StudyInstanceUID = "STUDY", "2.999.7"

    def take(event):
        got.append(event.dataset)
        return 0

    association = calling(archive, GET, CT, roles=[build_role(CT, scp_role=True)], handlers=[(evt.EVT_C_STORE, take)])
    final = list(association.send_c_get(identifier, GET))[-1][0]
    association.release()
    assert (final.Status, len(got)) == (0, 2)
    assert bare(got[0]) == bare(ct(1))


def test_the_bytes_on_the_disk_are_those_that_came(archive):
    image = ct()
    image.private_block(0x0029, "HV TEST", create=True).add_new(1, "LO", "kept as it is")
    association = calling(archive, (CT, image.file_meta.TransferSyntaxUID))
    assert association.send_c_store(image).Status == 0
    association.release()
    again = dcmread(archive.store.path(image.SOPInstanceUID))
    assert bare(again) == bare(image) and again.file_meta.TransferSyntaxUID == image.file_meta.TransferSyntaxUID


def test_the_same_again_and_another_under_its_uid(archive):
    assert store(archive, ct(), ct(), ct(PatientComments="changed")) == [0, 0, 0]
    details = [event.detail for event in archive.journal if event.what == "C-STORE-RSP"]
    assert details == ["0000H", "0000H, it was there already", "0000H, it took the place of another with its UID"]
    assert dcmread(archive.store.path("2.999.7.1.1")).PatientComments == "changed"


def test_what_cannot_be_kept_is_not_acknowledged(archive, monkeypatch):
    no_study = ct()
    del no_study.StudyInstanceUID
    assert store(archive, no_study) == [0xC000]
    assert store(archive, ct(StudyInstanceUID="2.999/../7")) == [0xC000]
    association = calling(archive, CT)
    monkeypatch.setattr("coursekit.systems.store.os.fsync", full)
    assert association.send_c_store(ct(3)).Status == 0xA700
    association.release()
    monkeypatch.undo()
    assert archive.store.kept() == [] and not list(archive.store.folder.glob("objects/*/*"))


def full(_):
    raise OSError(28, "No space left on device")


def test_a_uid_that_is_not_the_commands(archive):
    with pytest.raises(Exception, match="not that of the data set"):
        archive.store.put(encoded(ct()), "2.999.1")
    with pytest.raises(NotStorable):
        archive.store.put(b"DICM" * 100)


def bare(dataset):
    """The attributes alone, without file meta information."""
    return dataset.to_json_dict()


def encoded(dataset):
    from io import BytesIO

    stream = BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def test_it_shows_who_is_connected(archive):
    assert archive.connected == [] and repr(archive) == "<archive HV_PACS runs: 0 objects, 0 events>"
    association = calling(archive, CT)
    until(lambda: archive.connected == ["CT1"])
    assert "CT1 is connected" in repr(archive)
    association.release()
    until(lambda: archive.connected == [])


def until(condition):
    """Wait for what another thread is about to bring."""
    limit = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.01)


def test_who_may_call():
    with Archive(callers=["CT1"]) as archive:
        assert store(archive, ct()) == [0]
        for title, called, numbers in (("CT_X", "HV_PACS", (1, 1, 3)), ("CT1", "HV_PAX", (1, 1, 7))):
            with pytest.raises(NoAssociation) as refused:       # pynetdicom alone takes a rejection that comes soon for no connection
                Scu(title, called, archive.port).echo()
            assert (refused.value.result, refused.value.source, refused.value.reason) == numbers
        said = [event.detail for event in archive.journal if event.what == "A-ASSOCIATE-RJ"]
        assert said == ["1/1/3: calling AE title not recognized", "1/1/7: called AE title not recognized"]


def ask_commitment(archive, references, title="CT1"):
    """Ask for a commitment as CT1, whose own receiver then hears the report: (status, event type, Dataset)."""
    heard, done = [], threading.Event()

    def hear(event):
        heard.append((event.event_type, event.event_information))
        done.set()
        return 0, None

    receiver = AE(title)
    receiver.add_supported_context(sop.StorageCommitmentPushModel, scu_role=True, scp_role=True)
    server = receiver.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, hear)])
    archive.peers[title] = ("127.0.0.1", server.server_address[1])
    asked = Dataset()
    asked.TransactionUID, asked.ReferencedSOPSequence = "2.999.77", []
    for sop_class, uid in references:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
        asked.ReferencedSOPSequence.append(item)
    association = calling(archive, sop.StorageCommitmentPushModel, title=title)
    status, _ = association.send_n_action(asked, 1, sop.StorageCommitmentPushModel, sop.StorageCommitmentPushModelInstance)
    association.release()
    assert done.wait(30) and archive.journal.wait("N-EVENT-REPORT-RQ", seconds=30)
    server.shutdown()
    return status.Status, *heard[0]


def test_commitment_of_what_is_there(archive):
    store(archive, ct(1), ct(2))
    status, kind, result = ask_commitment(archive, [(CT, "2.999.7.1.1"), (CT, "2.999.7.1.2")])
    assert (status, kind, len(result.ReferencedSOPSequence)) == (0, 1, 2) and "FailedSOPSequence" not in result
    assert result.TransactionUID == "2.999.77"


def test_commitment_of_what_is_not_there(archive):
    store(archive, ct(1), ct(2))
    archive.store.path("2.999.7.1.2").unlink()
    references = [(CT, "2.999.7.1.1"), (CT, "2.999.7.1.2"), (CT, "2.999.7.1.3"), ("1.2.840.10008.5.1.4.1.1.4", "2.999.7.1.1")]
    _, kind, result = ask_commitment(archive, references)
    assert kind == 2 and [item.ReferencedSOPInstanceUID for item in result.ReferencedSOPSequence] == ["2.999.7.1.1"]
    assert [item.FailureReason for item in result.FailedSOPSequence] == [0x0112, 0x0112, 0x0119]


def test_a_report_on_the_association_that_asked_comes_behind_the_answer(archive, monkeypatch):
    send, came = dicom_server._send_message, []

    def late(dimse, primitive, context):
        if type(primitive).__name__ == "N_ACTION":
            time.sleep(0.3)                                              # in which the clerk could have reported
        send(dimse, primitive, context)

    monkeypatch.setattr(dicom_server, "_send_message", late)
    association = calling(archive, sop.StorageCommitmentPushModel)
    association.bind(evt.EVT_DIMSE_RECV, lambda event: came.append(type(event.message).__name__))
    association.bind(evt.EVT_N_EVENT_REPORT, lambda event: (0, None))
    asked = Dataset()
    asked.TransactionUID, asked.ReferencedSOPSequence = "2.999.77", []
    association.send_n_action(asked, 1, sop.StorageCommitmentPushModel, sop.StorageCommitmentPushModelInstance)
    assert archive.journal.wait("N-EVENT-REPORT-RQ", seconds=30)
    association.release()
    assert came == ["N_ACTION_RSP", "N_EVENT_REPORT_RQ"]


def test_messages_of_two_threads_on_one_association_stay_whole():
    class Dimse:
        sending, then, sent = threading.Lock(), None, []

        def send_msg(self, primitive, context):
            for _ in range(5):
                self.sent.append(primitive.name)
                time.sleep(0.002)

    threads = [threading.Thread(target=dicom_server._send_message, args=(Dimse(), types.SimpleNamespace(name=name, MessageIDBeingRespondedTo=1), 1))
               for name in "ab" * 5]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Dimse.sent) == 50 and all(len(set(Dimse.sent[place:place + 5])) == 1 for place in range(0, 50, 5))


def test_a_performed_procedure_step(archive):
    mpps = sop.ModalityPerformedProcedureStep
    begin, end = Dataset(), Dataset()
    begin.PerformedProcedureStepStatus, begin.PatientID, end.PerformedProcedureStepStatus = "IN PROGRESS", "HV100001", "COMPLETED"
    association = calling(archive, mpps)
    assert association.send_n_set(end, mpps, "2.999.50")[0].Status == 0x0112
    assert association.send_n_create(end, mpps, "2.999.50")[0].Status == 0x0106
    nameless = Dataset()
    nameless.PatientID = "HV100001"
    assert association.send_n_create(nameless, mpps, "2.999.50")[0].Status == 0x0120
    assert association.send_n_create(begin, mpps, "2.999.50")[0].Status == 0
    assert association.send_n_create(begin, mpps, "2.999.50")[0].Status == 0x0111
    assert association.send_n_set(end, mpps, "2.999.50")[0].Status == 0
    refused = association.send_n_set(end, mpps, "2.999.50")[0]
    association.release()
    assert (refused.Status, refused.ErrorID) == (0x0110, 0xA710)
    state, step = archive.store.step("2.999.50")
    assert (state, step.PatientID) == ("COMPLETED", "HV100001")


def rejection_note(code, *uids):
    note = Dataset()
    note.file_meta = ct().file_meta
    note.SOPClassUID, note.SOPInstanceUID, note.StudyInstanceUID, note.SeriesInstanceUID = KOS, "2.999.7.9.1", "2.999.7", "2.999.7.9"
    note.PatientID, note.Modality = "HV100001", "KO"
    title = Dataset()
    title.CodeValue, title.CodingSchemeDesignator, title.CodeMeaning = code, "DCM", "-"
    note.ConceptNameCodeSequence = [title]
    study, series = Dataset(), Dataset()
    study.StudyInstanceUID, study.ReferencedSeriesSequence = "2.999.7", [series]
    series.SeriesInstanceUID, series.ReferencedSOPSequence = "2.999.7.1", []
    for uid in uids:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CT, uid
        series.ReferencedSOPSequence.append(item)
    note.CurrentRequestedProcedureEvidenceSequence = [study]
    return note


def test_a_rejection_note_withdraws_what_it_names(archive):
    store(archive, ct(1), ct(2), rejection_note("113038", "2.999.7.1.1"))
    assert archive.store.rejected() == {"2.999.7.1.1": "113038"}
    images = find(archive, "IMAGE", StudyInstanceUID="2.999.7", SeriesInstanceUID="2.999.7.1", SOPInstanceUID="")
    assert [item.SOPInstanceUID for _, item in images] == ["2.999.7.1.2"]
    store(archive, ct(1))                                                   # sent again, it stays withdrawn
    assert "2.999.7.1.1" not in [one.sop for one in archive.store.kept()]
    assert "2.999.7.1.1" in [one.sop for one in archive.store.kept(rejected=True)]


def test_another_key_object_withdraws_nothing(archive):
    store(archive, ct(1), rejection_note("113000", "2.999.7.1.1"))
    assert archive.store.rejected() == {}


def test_fifty_associations_at_once_lose_nothing(archive):
    archive._entity.acse_timeout = archive._entity.network_timeout = 120        # each waits for all the others
    statuses = []

    def send(number):
        statuses.extend(store(archive, *(ct(image, f"2.999.7.{number}") for image in range(1, 5)), title=f"CT{number}"))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [0] * 200 and len(archive.store.kept()) == 200


ARCHIVE_TO_KILL = """
import sys, time
from coursekit.systems.archive import Archive
archive = Archive(folder=sys.argv[1]).start()
print(archive.port, flush=True)
time.sleep(300)
"""


@pytest.mark.parametrize("round_", range(4))
def test_killed_in_the_middle_it_has_all_that_it_acknowledged(tmp_path, round_):
    process = subprocess.Popen([sys.executable, "-c", ARCHIVE_TO_KILL, str(tmp_path)], stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
    acknowledged = []
    try:
        class Place:
            port, title = int(process.stdout.readline()), "HV_PACS"

        association = calling(Place, CT)
        killer = threading.Timer(0.05 + 0.1 * round_, process.kill)
        for number in range(1, 2000):
            if number == 2:                             # on a slow machine even the first takes its time
                killer.start()
            image = ct(number, PixelData=bytes(40_000))
            try:
                if association.send_c_store(image).get("Status") != 0:
                    break
            except RuntimeError:
                break
            acknowledged.append(image)
        killer.join()
        association.abort()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    again = Store(tmp_path)
    try:
        kept = {one.sop: one.path for one in again.kept()}
        assert acknowledged and {image.SOPInstanceUID for image in acknowledged} <= set(kept)
        assert all(dcmread(path).PixelData == bytes(40_000) for path in kept.values())
    finally:
        again.close()


def test_an_index_that_was_lost_is_made_again(tmp_path):
    first = Store(tmp_path)
    first.put(encoded(ct()))
    first.close()
    for file in tmp_path.glob("index.sqlite*"):
        file.unlink()
    (tmp_path / "incoming" / "77.part").write_bytes(b"half")
    again = Store(tmp_path)
    assert [one.sop for one in again.kept()] == ["2.999.7.1.1"] and not list(tmp_path.rglob("*.part"))
    again.close()


def raw(archive, octets):
    """What the archive answers to bytes, until it hangs up."""
    with socket.create_connection(("127.0.0.1", archive.port), timeout=10) as line:
        line.sendall(octets)
        received = b""
        try:
            while not received and (block := line.recv(4096)):
                received += block
        except (ConnectionError, TimeoutError):
            pass
        return received


def test_malformed_input_ends_its_own_connection_alone(archive):
    draw = random.Random(5)
    for octets in (b"\x01\x00\xff\xff\xff\xff" + bytes(100), b"\x04\x00\xff\xff\xff\xf0" + bytes(100), b"GET / HTTP/1.1\r\n\r\n" + bytes(80),
                   b"\x63\x00\x00\x00\x00\x04" + bytes(4), draw.randbytes(300), b"\x01\x00" + struct.pack(">L", 68) + draw.randbytes(68)):
        answer = raw(archive, octets)
        assert answer == b"" or answer[0] == 7, answer                      # hung up, or A-ABORT
    assert raw(archive, b"\x01\x00\xff\xff\xff\xff" + bytes(100))[:1] == b"\x07"
    assert store(archive, ct()) == [0]


def test_stop_does_not_wait_for_a_caller_that_says_nothing():
    archive = Archive(port=own_port()).start()
    archive._entity.acse_timeout = 60           # so long it would wait for the idle one
    with socket.create_connection(("127.0.0.1", archive.port)) as idle, socket.create_connection(("127.0.0.1", archive.port)) as half:
        half.sendall(b"\x01\x00\x00\x00")
        established = calling(archive, CT)
        begin = time.monotonic()
        archive.stop()
        assert time.monotonic() - begin < 20    # for the half of a PDU it would wait 30 seconds
        assert idle.fileno() > 0
    established.abort()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", archive.port), timeout=2)


def test_a_port_that_is_taken(archive):
    with pytest.raises(OSError):
        Archive(port=archive.port).start()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed: no certificates to call with")
def test_with_certificates_it_speaks_tls_alone(tmp_path):
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=tmp_path, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=HV test authority")
    for name in ("server", "client"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", f"{name}.pem", "-days", "2")

    def context(certificate=None):
        made = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        made.check_hostname = False
        if certificate:
            made.load_cert_chain(tmp_path / f"{certificate}.pem", tmp_path / f"{certificate}.key")
        return made

    def established(archive, tls):
        entity = AE("CT1")
        entity.acse_timeout = 30
        entity.add_requested_context(CT)
        association = entity.associate("127.0.0.1", archive.port, ae_title=archive.title, tls_args=tls and (tls, None),
                                       evt_handlers=[(evt.EVT_CONN_OPEN, at_once)])
        if not association.is_established:
            return False
        stored = association.send_c_store(ct()).Status == 0
        association.release()
        return stored

    with Archive(certificates=(tmp_path / "server.pem", tmp_path / "server.key", tmp_path / "ca.pem")) as archive:
        assert established(archive, context("client"))
        assert not established(archive, None)                           # not without TLS,
        assert not established(archive, context())                      # and not without a certificate of the authority
        old = context("client")
        with pytest.deprecated_call():
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        assert not established(archive, old)
        assert established(archive, context("client")) and len(archive.store.kept()) == 1


def test_a_caller_that_never_begins_tls_keeps_nobody_out(tmp_path):
    authority = Authority(tmp_path)
    certificate, key, _ = authority.issue("CT1")
    tls = ssl.create_default_context(cafile=authority.certificate)
    tls.check_hostname = False
    tls.load_cert_chain(certificate, key)
    entity = AE("CT1")
    entity.acse_timeout = 30
    entity.add_requested_context(CT)
    archive = Archive(certificates=authority.issue("SERVER")).start()
    try:
        silent = socket.create_connection(("127.0.0.1", archive.port))
        association = entity.associate("127.0.0.1", archive.port, ae_title=archive.title, tls_args=(tls, None),
                                       evt_handlers=[(evt.EVT_CONN_OPEN, at_once)])
        assert association.is_established
        association.release()
    finally:
        began = time.monotonic()
        archive.stop()
    assert time.monotonic() - began < 15                                 # less than anybody's patience
    silent.close()


dcmtk = pytest.mark.skipif(shutil.which("storescu") is None, reason="DCMTK is not installed")


@dcmtk
def test_dcmtk(archive, tmp_path):
    ct().save_as(tmp_path / "a.dcm", enforce_file_format=True)
    place = ["-aec", "HV_PACS", "127.0.0.1", str(archive.port)]

    def run(*command):
        return subprocess.run(command, capture_output=True, timeout=60)

    assert run("echoscu", *place).returncode == 0
    assert run("echoscu", "-aec", "WRONG", *place[2:]).returncode != 0
    assert run("storescu", *place, tmp_path / "a.dcm").returncode == 0
    found = run("findscu", "-S", *place, "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientName=test*", "-k", "StudyInstanceUID")
    assert b"2.999.7" in found.stdout + found.stderr
    (tmp_path / "got").mkdir()
    assert run("getscu", "-S", *place, "-od", tmp_path / "got", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=2.999.7").returncode == 0
    got, = (tmp_path / "got").iterdir()
    assert bare(dcmread(got)) == bare(ct())
    port = own_port()
    archive.peers["MOVESCU"] = ("127.0.0.1", port)
    (tmp_path / "moved").mkdir()
    moved = run("movescu", "-S", *place, "-aem", "MOVESCU", "--port", str(port), "-od", tmp_path / "moved",
                "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=2.999.7")
    assert moved.returncode == 0 and len(list((tmp_path / "moved").iterdir())) == 1
