"""DICOMweb, asked by the standard library, by curl and by dicomweb-client."""

import json
import shutil
import subprocess
import urllib.error
import urllib.request
from io import BytesIO

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from coursekit.systems.dicomweb import DicomWeb
from coursekit.systems.store import Store
from tests.systems.conftest import ct
from tests.systems.test_archive import bare, encoded, rejection_note

STUDY = "/studies/2.999.7"
IMAGE = f"{STUDY}/series/2.999.7.1/instances/2.999.7.1.1"


@pytest.fixture
def web(tmp_path):
    store = Store(tmp_path)
    with DicomWeb(store) as web:
        yield web
    store.close()


@pytest.fixture
def filled(web):
    for dataset in (ct(1), ct(2), ct(1, "2.999.8", PatientName="Müller^Jürgen", Modality="MR", StudyDate="20240101")):
        web.store.put(encoded(dataset))
    return web


def ask(web, path, accept="*/*", body=None, kind=None):
    headers = {"Accept": accept, **({"Content-Type": kind} if kind else {})}
    request = urllib.request.Request(web.url + path, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.headers["Content-Type"], refused.read()


@pytest.mark.parametrize("path, count", [
    ("/studies", 2), ("/studies?PatientName=m%C3%BCller*", 1), ("/studies?00100010=TESTER*", 1), ("/studies?StudyDate=20250101-", 1),
    ("/studies?ModalitiesInStudy=MR&limit=5", 1), ("/studies?limit=1", 1), ("/studies?offset=1", 1), ("/studies?StudyInstanceUID=2.999.7,2.999.8", 2),
    ("/series", 2), (f"{STUDY}/series", 1), ("/instances", 3), (f"{STUDY}/series/2.999.7.1/instances", 2),
])
def test_search(filled, path, count):
    status, kind, body = ask(filled, path)
    found = json.loads(body)
    assert (status, kind, len(found)) == (200, "application/dicom+json", count)
    assert all(Dataset.from_json(item).StudyInstanceUID.startswith("2.999.") for item in found)


@pytest.mark.parametrize("path, status", [
    ("/studies?PatientName=NOBODY", 204), ("/studies?Nonsense=1", 400), ("/studies?limit=-1", 400), ("/studies/2.999.404", 404),
    ("/studies/..%2f..", 404), (f"{IMAGE}/frames/7", 404), ("/nothing", 404),
])
def test_what_is_not_there(filled, path, status):
    assert ask(filled, path)[0] == status


def test_retrieve(filled):
    status, kind, body = ask(filled, IMAGE, 'multipart/related; type="application/dicom"; transfer-syntax=*')
    assert status == 200 and kind.startswith('multipart/related; type="application/dicom"')
    assert filled.store.path("2.999.7.1.1").read_bytes() in body
    assert ask(filled, STUDY)[2].count(b"DICM") == 2
    assert ask(filled, STUDY, "text/html")[0] == 406


def test_metadata_and_bulk_data(filled):
    (item,) = json.loads(ask(filled, f"{IMAGE}/metadata")[2])
    assert item["00100010"]["Value"] == [{"Alphabetic": "TESTER^TINA"}] and "InlineBinary" in item["7FE00010"]
    filled.store.put(encoded(ct(3, Rows=64, Columns=64, PixelData=bytes(8192))))
    (item,) = json.loads(ask(filled, f"{STUDY}/series/2.999.7.1/instances/2.999.7.1.3/metadata")[2])
    address = item["7FE00010"]["BulkDataURI"]
    assert len(ask(filled, address.removeprefix(filled.url))[2]) > 8192


def test_frames_and_rendered(filled):
    filled.store.put(encoded(ct(4, NumberOfFrames=3, PixelData=b"".join(bytes([frame, 0]) * 256 for frame in range(3)))))
    image = f"{STUDY}/series/2.999.7.1/instances/2.999.7.1.4"
    body = ask(filled, f"{image}/frames/3,1")[2]
    assert 0 < body.index(b"\x02\0" * 256) < body.index(b"\0\0" * 256)
    assert ask(filled, f"{image}/rendered")[1:2] == ("image/jpeg",) and ask(filled, f"{image}/rendered", "image/png")[2].startswith(b"\x89PNG")


def multipart(*contents):
    return b"".join(b"--here\r\nContent-Type: application/dicom\r\n\r\n" + content + b"\r\n" for content in contents) + b"--here--\r\n"


KIND = 'multipart/related; type="application/dicom"; boundary=here'


def test_store(web):
    status, _, body = ask(web, "/studies", body=multipart(encoded(ct(1)), encoded(ct(2))), kind=KIND)
    assert status == 200 and len(Dataset.from_json(body.decode()).ReferencedSOPSequence) == 2
    status, _, body = ask(web, STUDY, body=multipart(encoded(ct(3)), encoded(ct(1, "2.999.8")), b"no DICOM"), kind=KIND)
    answer = Dataset.from_json(body.decode())
    assert status == 202 and len(answer.ReferencedSOPSequence) == 1 and len(answer.FailedSOPSequence) == 2
    assert ask(web, "/studies", body=multipart(b"no DICOM"), kind=KIND)[0] == 409
    assert ask(web, "/studies", body=b"nonsense", kind="text/plain")[0] == 400
    assert ask(web, "/studies", body=b"nonsense", kind=KIND)[0] == 400
    assert ask(web, "/series", body=multipart(encoded(ct(1))), kind=KIND)[0] == 405
    assert [one.sop for one in web.store.kept()] == ["2.999.7.1.1", "2.999.7.1.2", "2.999.7.1.3"]


def test_what_was_withdrawn_is_not_shown(filled):
    filled.store.put(encoded(rejection_note("113001", "2.999.7.1.1")))
    assert ask(filled, IMAGE)[0] == 404 and len(json.loads(ask(filled, f"{STUDY}/series/2.999.7.1/instances")[2])) == 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(filled, tmp_path):
    file = tmp_path / "body"
    file.write_bytes(multipart(encoded(ct(9))))
    sent = subprocess.run(["curl", "-s", "-H", f"Content-Type: {KIND}", "--data-binary", f"@{file}", f"{filled.url}/studies"],
                          capture_output=True, text=True, timeout=30)
    assert Dataset.from_json(sent.stdout).ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "2.999.7.1.9"


def test_dicomweb_client(filled, tmp_path):
    from dicomweb_client import api
    client = api.DICOMwebClient(filled.url)
    assert len(client.search_for_studies()) == 2
    assert len(client.search_for_instances(study_instance_uid="2.999.7", search_filters={"InstanceNumber": "2"})) == 1
    image, = client.retrieve_series("2.999.8", "2.999.8.1")
    assert bare(image) == bare(dcmread(filled.store.path("2.999.8.1.1")))
    assert client.retrieve_instance_metadata("2.999.7", "2.999.7.1", "2.999.7.1.1")["00080060"]["Value"] == ["CT"]
    assert client.retrieve_instance_rendered("2.999.7", "2.999.7.1", "2.999.7.1.1", media_types=("image/png",)).startswith(b"\x89PNG")
    frame, = client.retrieve_instance_frames("2.999.7", "2.999.7.1", "2.999.7.1.1", [1])
    assert frame == bytes(512)
    answer = client.store_instances([dcmread(BytesIO(encoded(ct(number)))) for number in (5, 6)])
    assert len(answer.ReferencedSOPSequence) == 2 and len(filled.store.kept()) == 5
