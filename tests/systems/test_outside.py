"""Programs that nobody here wrote, with our systems: Orthanc as a client and as a server, DCMTK's servers with our client.

What DCMTK's clients, curl, dicomweb-client, python-hl7 and hl7apy do with our systems stands in the test of each system.
"""

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.request

import pytest
from ports import own_port
from pydicom import dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from coursekit.systems.archive import Archive
from coursekit.systems.scu import Scu
from coursekit.systems.worklist import Worklist
from tests.systems.conftest import CT, ct
from tests.systems.test_scu import WORKLIST_ORDER

needs_orthanc = pytest.mark.skipif(shutil.which("Orthanc") is None, reason="Orthanc is not installed")
needs_dcmtk = pytest.mark.skipif(shutil.which("dcmqrscp") is None, reason="DCMTK is not installed")


@contextlib.contextmanager
def program(command, port):
    """A program that is waited for until its port answers."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(400):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


class Orthanc:
    """An Orthanc that knows our systems by their AE titles."""

    def __init__(self, folder, peers):
        self.dicom, self._http = own_port(), own_port()
        self._settings = folder / "orthanc.json"
        self._settings.write_text(json.dumps({
            "StorageDirectory": str(folder), "IndexDirectory": str(folder), "HttpPort": self._http, "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False, "DicomAet": "ORTHANC", "DicomPort": self.dicom, "DicomCheckCalledAet": True,
            "DicomAlwaysAllowStore": True, "DicomAlwaysAllowFind": True, "DicomAlwaysAllowGet": True, "DicomAlwaysAllowMove": True,
            "Plugins": [], "StableAge": 1,
            "DicomModalities": {title: {"AET": title, "Host": "127.0.0.1", "Port": port, "AllowStorageCommitment": True}
                                for title, port in peers.items()}}), encoding="utf-8")

    def running(self):
        return program(["Orthanc", str(self._settings)], self._http)

    def ask(self, path, body=None, octets=None):
        """What its REST interface says; `body` is posted as JSON, `octets` as they are."""
        data = octets if octets is not None else None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self._http}{path}", data), timeout=30) as answer:
            return json.loads(answer.read() or b"null")


@needs_orthanc
def test_orthanc_calls_our_archive(tmp_path):
    """C-ECHO, C-STORE, storage commitment with its reversed association, C-FIND and C-MOVE, all asked for by Orthanc."""
    with Archive("HV_PACS") as archive:
        orthanc = Orthanc(tmp_path, {"HV_PACS": archive.port})
        archive.peers["ORTHANC"] = ("127.0.0.1", orthanc.dicom)
        ct(1).save_as(tmp_path / "one.dcm", enforce_file_format=True)
        with orthanc.running():
            assert orthanc.ask("/modalities/HV_PACS/echo", {}) == {}
            kept = orthanc.ask("/instances", octets=(tmp_path / "one.dcm").read_bytes())["ID"]
            assert orthanc.ask("/modalities/HV_PACS/store", {"Resources": [kept], "StorageCommitment": True})["InstancesCount"] == 1
            assert [one.sop for one in archive.store.kept()] == ["2.999.7.1.1"]
            assert archive.journal.wait("N-EVENT-REPORT-RQ")
            report = next(event for event in archive.journal if event.what == "N-EVENT-REPORT-RQ")
            assert "1 committed, 0 failed" in report.detail and "not delivered" not in report.detail
            assert Scu("CT2", "HV_PACS", archive.port).store(ct(2)) == [0]
            query = orthanc.ask("/modalities/HV_PACS/query", {"Level": "Study", "Query": {"PatientName": "TESTER*"}})["ID"]
            assert orthanc.ask(f"/queries/{query}/answers") == ["0"]
            orthanc.ask(f"/queries/{query}/retrieve", {"TargetAet": "ORTHANC", "Synchronous": True})
            assert orthanc.ask("/statistics")["CountInstances"] == 2


@needs_orthanc
def test_orthanc_asks_our_worklist(tmp_path):
    with Worklist("HV_MWL") as worklist:
        assert worklist.take(WORKLIST_ORDER)["MSA-1"] == "AA"
        orthanc = Orthanc(tmp_path, {"HV_MWL": worklist.port})
        with orthanc.running():
            found = orthanc.ask("/modalities/HV_MWL/find-worklist", {
                "PatientName": "*", "AccessionNumber": "", "ScheduledProcedureStepSequence": [{"Modality": "CT"}]})
            assert [item["AccessionNumber"] for item in found] == ["A2504070001"]


@needs_orthanc
def test_our_client_calls_orthanc(tmp_path):
    """C-ECHO, C-STORE, C-FIND, C-GET, C-MOVE to our archive and storage commitment, all answered by Orthanc."""
    with Archive("HV_PACS") as archive:
        orthanc = Orthanc(tmp_path, {"HV_PACS": archive.port})
        with orthanc.running():
            scu = Scu("HV_PACS", "ORTHANC", orthanc.dicom)
            assert scu.echo() == 0
            assert scu.store([ct(number) for number in range(1, 6)]) == [0] * 5
            assert [str(one.PatientID) for one in scu.find("STUDY", PatientName="TEST*", PatientID="")] == ["HV100001"]
            got = scu.get("STUDY", StudyInstanceUID="2.999.7")
            assert sorted(one.InstanceNumber for one in got) == [1, 2, 3, 4, 5]
            assert scu.move("HV_PACS", "STUDY", StudyInstanceUID="2.999.7")[:2] == (0, 5)
            assert len(archive.store.kept()) == 5


@needs_dcmtk
def test_our_client_calls_dcmqrscp(tmp_path):
    """DCMTK's archive answers our client, and moves to our archive."""
    with Archive("HV_PACS") as archive:
        port = own_port()
        (tmp_path / "db").mkdir()
        settings = tmp_path / "dcmqrscp.cfg"
        settings.write_text(
            f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n"
            f"HostTable BEGIN\nours = (HV_PACS, 127.0.0.1, {archive.port})\nHostTable END\nVendorTable BEGIN\nVendorTable END\n"
            f"AETable BEGIN\nDCMTK {tmp_path / 'db'} RW (200, 1024mb) ANY\nAETable END\n", encoding="ascii")
        with program(["dcmqrscp", "-c", str(settings)], port):
            scu = Scu("HV_PACS", "DCMTK", port)
            assert scu.echo() == 0 and scu.store([ct(1), ct(2)]) == [0, 0]
            assert [str(one.StudyInstanceUID) for one in scu.find("STUDY", PatientID="HV100001", StudyInstanceUID="")] == ["2.999.7"]
            assert len(scu.get("STUDY", StudyInstanceUID="2.999.7")) == 2
            assert scu.move("HV_PACS", "STUDY", StudyInstanceUID="2.999.7")[:2] == (0, 2)
            assert len(archive.store.kept()) == 2


@needs_dcmtk
def test_our_client_and_archive_call_storescp(tmp_path):
    """storescp takes what our client stores, and what our archive moves to it."""
    port = own_port()
    (tmp_path / "in").mkdir()
    with program(["storescp", "-aet", "WS_ED1", "-od", str(tmp_path / "in"), str(port)], port), Archive("HV_PACS") as archive:
        assert Scu("CT2", "WS_ED1", port).store(ct(1)) == [0]
        archive.peers["WS_ED1"] = ("127.0.0.1", port)
        ours = Scu("CT2", "HV_PACS", archive.port)
        assert ours.store([ct(2), ct(3)]) == [0, 0]
        assert ours.move("WS_ED1", "STUDY", StudyInstanceUID="2.999.7") == (0, 2, 0, 0)
        arrived = sorted(dcmread(path).InstanceNumber for path in (tmp_path / "in").iterdir())
        assert arrived == [1, 2, 3]


@needs_dcmtk
def test_our_client_asks_wlmscpfs(tmp_path):
    with Worklist("HV_MWL") as worklist:
        worklist.take(WORKLIST_ORDER)
        item, = worklist.items()
    (tmp_path / "HV_MWL").mkdir()
    (tmp_path / "HV_MWL" / "lockfile").touch()
    item.file_meta = FileMetaDataset()
    item.file_meta.TransferSyntaxUID, item.file_meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, CT
    item.file_meta.MediaStorageSOPInstanceUID = "2.999.1.1"
    item.save_as(tmp_path / "HV_MWL" / "1.wl", enforce_file_format=True)
    port = own_port()
    with program(["wlmscpfs", "-dfp", str(tmp_path), str(port)], port):
        scu = Scu("CT2", "HV_MWL", port)
        assert [str(one.PatientName) for one in scu.worklist(PatientName="", ScheduledProcedureStepSequence={"Modality": "CT"})] == ["TESTER^TINA"]
        assert not scu.worklist(PatientName="", ScheduledProcedureStepSequence={"Modality": "MR"})
