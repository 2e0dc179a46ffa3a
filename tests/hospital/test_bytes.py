"""The byte artefacts, judged by pydicom and, where they are installed, by DCMTK, dicom3tools, tshark and pynetdicom."""

import io
import re
import shutil
import subprocess
import warnings

import pydicom
import pytest
from pynetdicom import pdu

from coursekit.hospital import bytes as artefacts
from coursekit.hospital import hospital, story

SEEDS = range(12)
ALL = (
    artefacts.dicom_file, artefacts.damaged_file, artefacts.associate_rq, artefacts.association_trace, artefacts.config,
    artefacts.registry_export, artefacts.mllp_stream,
)


def _needs(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def _run(*command):
    ran = subprocess.run([str(part) for part in command], capture_output=True, text=True, encoding="utf-8", errors="replace")
    return ran.returncode, ran.stdout + ran.stderr


@pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)
def test_the_same_seed_gives_the_same_bytes_and_another_one_others(make):
    assert make(0) == make(0)
    assert len({make(seed) for seed in SEEDS}) > 3


def test_edition_0_tells_the_course_s_own_story():
    ds = pydicom.dcmread(io.BytesIO(artefacts.dicom_file(0)))
    assert (ds.PatientName, ds.PatientID, ds.StudyInstanceUID) == ("VANDERMEER^ANA", "HV10O234", "2.999.100.41.20250330.1")
    assert (ds.StudyTime, ds.AccessionNumber, ds.pixel_array[0, 0]) == ("024103", "", -1000)
    assert artefacts.config(0)[6:8] == b"\x2b\x68"
    assert artefacts.associate_rj() == bytes.fromhex("03 00 00 00 00 04 00 01 01 03")


@pytest.mark.parametrize("seed", SEEDS)
def test_pydicom_reads_the_sound_file(seed):
    case = story.case_17(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ds = pydicom.dcmread(io.BytesIO(artefacts.dicom_file(seed)))
        assert ds.PatientID == case["typed_id"] and str(ds.PatientName) == case["typed_name"]
        assert ds.StudyInstanceUID == case["study_uid"] and ds.file_meta.SourceApplicationEntityTitle == case["station_aet"]
        assert ds.ReferencedImageSequence[0].ReferencedSOPClassUID == artefacts.CT_IMAGE_STORAGE
        assert ds[0x0009, 0x1002].value.startswith("TUBE ")
        pixels = ds.pixel_array
    assert pixels.shape == (8, 8) and -1030 < pixels.min() < -990 and pixels.max() > 700
    again = io.BytesIO()
    ds.save_as(again, enforce_file_format=True)
    assert pydicom.dcmread(io.BytesIO(again.getvalue())) == ds


@pytest.mark.parametrize("seed", SEEDS)
def test_the_damaged_file_has_its_two_faults_and_no_other(seed):
    data = artefacts.damaged_file(seed)
    with pytest.warns(UserWarning, match="Expected implicit VR, but found explicit VR"):
        ds = pydicom.dcmread(io.BytesIO(data))
    assert ds.file_meta.TransferSyntaxUID == artefacts.IMPLICIT and ds.InstanceNumber == 12
    assert ds.file_meta.FileMetaInformationGroupLength == data.index(b"\x08\x00\x05\x00CS") - 144
    uids = [data[at.end() : at.end() + data[at.start() + 2]] for at in re.finditer(rb"UI.\0(?=[0-9])", data, re.DOTALL)]
    assert [uid[-1:] for uid in uids].count(b" ") == 1 and all(len(uid) % 2 == 0 for uid in uids)
    assert len(ds.PixelData) == 128 and data.endswith(ds.PixelData)


@_needs("dcmdump")
@pytest.mark.parametrize("seed", SEEDS)
def test_dcmtk_reads_the_one_and_refuses_the_other(seed, tmp_path):
    sound, damaged = tmp_path / "11.dcm", tmp_path / "12.dcm"
    sound.write_bytes(artefacts.dicom_file(seed))
    damaged.write_bytes(artefacts.damaged_file(seed))
    code, said = _run("dcmdump", sound)
    assert code == 0 and not re.search(r"^[WE]:", said, re.MULTILINE), said
    assert "(7fe0,0010) OW" in said
    code, said = _run("dcmdump", damaged)
    assert code != 0
    assert "SpecificCharacterSet (0008,0005) larger (676675) than remaining bytes in file" in said  # quoted in the lesson


@_needs("dciodvfy")
@pytest.mark.parametrize("seed", SEEDS)
def test_dciodvfy_finds_a_ct_image_without_errors(seed, tmp_path):
    sound = tmp_path / "11.dcm"
    sound.write_bytes(artefacts.dicom_file(seed))
    _, said = _run("dciodvfy", sound)
    assert "CTImage" in said
    assert [line for line in said.splitlines() if "Error" in line and "example root" not in line] == []


def test_pynetdicom_decodes_the_pdus():
    for seed in SEEDS:
        request, refusal = pdu.A_ASSOCIATE_RQ(), pdu.A_ASSOCIATE_RJ()
        request.decode(artefacts.associate_rq(seed))
        refusal.decode(artefacts.associate_rj())
        assert (request.called_ae_title.strip(), request.calling_ae_title.strip()) == ("HV_MWL", "CTER01")
        assert request.encode() == artefacts.associate_rq(seed)
        assert len(request.presentation_context) == 2 and request.user_information.maximum_length >= 0x4000
        assert (refusal.result, refusal.source, refusal.reason_diagnostic) == (1, 1, 3)
        assert refusal.encode() == artefacts.associate_rj()


@_needs("tshark")
@_needs("text2pcap")
@pytest.mark.parametrize("seed", (0, 3))
def test_tshark_finds_the_request_and_the_refusal(seed, tmp_path):
    def read(name, data, *options):
        rows = (f"{at:06x} {data[at:at + 16].hex(' ')}" for at in range(0, len(data), 16))
        (tmp_path / f"{name}.txt").write_text("\n".join(rows) + "\n", encoding="ascii")
        _run("text2pcap", "-q", "-T", "40000,11113", tmp_path / f"{name}.txt", tmp_path / f"{name}.pcap")
        return _run("tshark", "-r", tmp_path / f"{name}.pcap", *options, "-V")[1]

    dicom = ("-d", "tcp.port==11113,dicom")
    request = read("rq", artefacts.associate_rq(seed), *dicom)
    assert "A-ASSOCIATE request CTER01 --> HV_MWL" in request and "Malformed" not in request
    refusal = read("rj", artefacts.associate_rj(), *dicom)
    assert "Reject Permanent" in refusal and "Calling AE title not recognized" in refusal and "Malformed" not in refusal


@pytest.mark.parametrize("seed", SEEDS)
def test_config_and_registry_are_what_their_tables_say(seed):
    config = artefacts.config(seed)
    assert len(config) == 40 and config[:4] == b"HVP1" and config[10:26].decode() == "HV_PACS2        "
    assert int.from_bytes(config[38:40], "big") == sum(config[:38]) & 0xFFFF
    export = artefacts.registry_export(seed)
    assert export[:2] == b"\xff\xfe"
    lines = export.decode("utf-16").split("\r\n")
    assert lines[0] == "Windows Registry Editor Version 5.00" and lines[1] == ""
    port = re.fullmatch(r'"Port"=dword:([0-9]{8})', lines[5])[1]  # decimal digits only: that is the trap
    assert int(port, 16) < 65536 and int(port) < 65536
    sheet = artefacts.installation_sheet(seed)
    timeout = int(re.fullmatch(r'"IdleTimeout"=dword:([0-9a-f]{8})', lines[6])[1], 16)
    assert f"listening port   {int(port)}\n" in sheet and sheet.endswith(f"idle timeout     {timeout} s") and timeout % 60 == 0


@pytest.mark.parametrize("seed", range(30))
def test_the_mllp_stream_has_one_fault_in_its_second_message(seed):
    stream = artefacts.mllp_stream(seed)
    assert stream.count(b"\x0b") == 3 and stream.startswith(b"\x0bMSH|") and stream.endswith(b"\r\x1c\r")
    first, second, third = stream[1:].split(b"\x0b")
    for message in (first, third):
        assert message.endswith(b"\r\x1c\r") and b"\n" not in message
    line_feeds, no_end_block = b"\n" in second, b"\x1c" not in second
    assert line_feeds != no_end_block
    assert not line_feeds or (second.endswith(b"\n\x1c\r") and second.count(b"\r") == 1)
    assert b"ORM^O01" in second


@pytest.mark.parametrize("seed", SEEDS)
def test_the_messages_have_the_segments_of_hl7_2_3_1(seed):
    wanted = {b"ADT^A04": b"MSH EVN PID PV1", b"ORM^O01": b"MSH PID ORC OBR", b"ADT^A08": b"MSH EVN PID PV1"}
    for message in artefacts.mllp_stream(seed).split(b"\x0b")[1:]:
        segments = [segment.split(b"|") for segment in re.split(rb"[\r\n]", message.split(b"\x1c")[0]) if segment]
        named = {segment[0]: segment for segment in segments}
        header = named[b"MSH"]
        assert b" ".join(segment[0] for segment in segments) == wanted[header[8]]
        assert re.fullmatch(rb"\d{14}", header[6]) and header[9].isdigit() and header[10:12] == [b"P", b"2.3.1"]
        assert named[b"PID"][3].startswith(b"HVTMP") and named[b"PID"][5].startswith(b"UNKNOWN^") and named[b"PID"][8] == b"F"
        if b"EVN" in named:
            assert named[b"EVN"][1:] == [header[8].split(b"^")[1], header[6]] and named[b"PV1"][2] == b"E"


@pytest.mark.parametrize("seed", (0, 1, 5))
def test_the_file_of_case_17_is_in_the_archive(seed):
    ds = pydicom.dcmread(io.BytesIO(artefacts.dicom_file(seed)))
    h = hospital(seed, "tiny") if seed else hospital()
    found = h.pacs.rows("SELECT s.study_uid, r.series_uid, r.series_no, i.instance_no, p.pid FROM instance i JOIN series r ON r.pk = i.series_pk "
                        "JOIN study s ON s.pk = r.study_pk JOIN patient p ON p.pk = s.patient_pk "
                        f"WHERE i.sop_uid = '{ds.SOPInstanceUID}'")[1]
    assert found == [(ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SeriesNumber, ds.InstanceNumber, ds.PatientID)]
