"""What outside tools say is told truly: errors, warnings, what was expected, and a fault on purpose that is not noticed.

And the contact sheet shows images as their headers want to be shown.
"""

import copy
import importlib.util
import re
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset

from coursekit import cli
from coursekit.authoring import contact_sheet, judges
from coursekit.figures.image import Display
from coursekit.hospital import bytes as artefacts
from coursekit.hospital import hospital, images

SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="AuditMessage"><xs:complexType><xs:sequence>
<xs:element name="EventIdentification"/><xs:element name="ActiveParticipant" maxOccurs="unbounded"/>
<xs:element name="AuditSourceIdentification"/><xs:element name="ParticipantObjectIdentification" minOccurs="0" maxOccurs="unbounded"/>
</xs:sequence></xs:complexType></xs:element></xs:schema>"""


def _needs(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def _needs_package(name):
    return pytest.mark.skipif(not importlib.util.find_spec(name), reason=f"{name} is not installed")


@pytest.fixture
def work(tmp_path):
    """Makes the work of judging a stand-in for a hospital."""
    return lambda **parts: judges.Work(SimpleNamespace(seed=1, **parts), 2, tmp_path, lambda done, total, text: None)


@pytest.fixture
def objects(work, monkeypatch):
    """Has a few objects judged, as if the catalogue held no others: judge -> row."""
    def judged(**made):
        monkeypatch.setattr(images, "CATALOGUE", {"few": dict.fromkeys(made, "")})
        return {row.judge: row for row in judges.objects(work(image=made.__getitem__))}
    return judged


def _errors(row):
    return [(remark.where, remark.text) for remark in row.remarks if remark.level == "error"]


# --- DICOM objects


@_needs("dciodvfy", "dcentvfy", "dcmdump", "dcmj2pnm", "dsrdump", "dcmpschk")
def test_sound_objects_pass_and_the_damaged_one_is_expected(objects):
    rows = objects(mr=images.image("mr_brain_t1")[:2], dose=images.image("sr_dose_ct"), cine=images.image("us_ob_cine"))
    files = {name: row.files for name, row in rows.items()}
    assert files.pop("dcm2img", None) or files.pop("dcmj2pnm") == 4
    assert files == {"pydicom": 3, "dciodvfy": 5, "dcmdump": 6, "dsrdump": 1, "dcmpschk": 0, "dcentvfy": 5}
    assert not judges.failed(rows.values())
    assert {remark.where for remark in rows["dcmdump"].remarks} == {"17_0012.dcm"}
    assert {remark.text for remark in rows["dcmdump"].remarks} == {"on purpose: it is damaged"}
    assert rows["dciodvfy"].count("expected") > 20 and rows["dciodvfy"].count("warning") == 0
    assert all(row.version[0].isdigit() for row in rows.values())


@_needs("dciodvfy", "dcentvfy", "dcmdump", "dcmj2pnm")
def test_what_is_wrong_is_an_error_of_the_judge_that_sees_it(objects):
    one, other = images.image("mr_brain_t1")[:2]
    del one.MagneticFieldStrength, one.Modality
    other.PatientName = "SOMEBODY^ELSE"
    short = images.image("us_ob_cine")
    short.NumberOfFrames = 99
    rows = objects(mr=[one, other], cine=short)
    assert [where for where, text in _errors(rows["dciodvfy"]) if "Modality" in text] == ["mr/0000.dcm"]
    assert any("PatientName" in text for _, text in _errors(rows["dcentvfy"]))
    pictures = rows.get("dcm2img") or rows["dcmj2pnm"]
    assert {where for where, _ in _errors(pictures)} == {"cine/0000.dcm"}


@_needs("dcmdump")
def test_a_fault_on_purpose_that_no_judge_notices_is_an_error(objects, monkeypatch):
    monkeypatch.setattr(artefacts, "damaged_file", artefacts.dicom_file)
    assert _errors(objects(mr=images.image("mr_brain_t1")[0])["dcmdump"]) == [
        ("17_0012.dcm", "it is damaged on purpose, and the judge does not notice")]


@_needs("dcmpschk")
def test_a_presentation_state_has_to_pass_the_test(objects):
    sound, wrong = images.image("pr_ct_chest"), images.image("pr_ct_chest")
    del wrong.PresentationLUTShape
    row = objects(sound=sound, wrong=wrong)["dcmpschk"]
    assert row.files == 2 and _errors(row) == [("wrong/0000.dcm", "the test is not passed")]


def test_an_image_that_cannot_be_made_is_told_and_the_others_are_judged(work, monkeypatch):
    monkeypatch.setattr(images, "CATALOGUE", {"few": {"nothing": "", "dose": ""}})

    def image(name):
        return {"dose": images.image("sr_dose_ct")}[name]

    rows = judges.objects(work(image=image))
    assert _errors(rows[0]) == [("nothing", "not made: KeyError: 'nothing'")]
    assert all(row.files for row in rows if row.judge in ("dciodvfy", "dcmdump", "dsrdump") and row.version != judges.NOT_INSTALLED)


def test_a_judge_that_is_not_installed_is_a_row_that_says_so(objects, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    rows = objects(dose=images.image("sr_dose_ct"))
    del rows["pydicom"]
    assert {row.version for row in rows.values()} == {"not installed"} and {row.files for row in rows.values()} == {0}
    assert "dciodvfy  not installed      0       -         -         -" in judges.table(rows.values())
    assert not judges.failed(rows.values())


# --- captures


def _capture(name, **truth):
    shown = hospital(1, "tiny").capture(name)
    return shown._replace(truth={**shown.truth, **truth})


@_needs("tshark")
def test_captures_are_sound_save_for_their_faults(work):
    shown = {"echo": _capture("echo"), "mtu": _capture("mtu")}
    row, = judges.captures(work(captures=tuple(shown), capture=shown.__getitem__))
    assert row.files == 2 and not judges.failed([row])
    assert {remark.text for remark in row.remarks} == {f"on purpose: {shown['mtu'].truth['fault']}"}


@_needs("tshark")
def test_what_is_wrong_in_a_capture_is_told(work):
    echo = _capture("echo")
    at = echo.packets.index(b"1.2.840.10008.1.1")
    damaged = echo._replace(packets=echo.packets[:at] + b"9" + echo.packets[at + 1:])
    shown = {"damaged": damaged, "odd": _capture("mtu", layer=None), "blind": _capture("echo", filter="frame.number == 1 && arp"),
             "empty": echo._replace(packets=b"")}
    row, = judges.captures(work(captures=tuple(shown), capture=shown.__getitem__))
    found = _errors(row)
    assert any(where.startswith("damaged frame") and text == "wrong checksum" for where, text in found)
    assert any(where.startswith("odd frame") and "TCP is odd" in text for where, text in found)
    assert any(where == "blind" and "shows frames []" in text for where, text in found)
    assert any(where == "empty" and "does not read it" in text for where, text in found)


@_needs("dciodvfy", "dcmdump")
def test_objects_on_the_wire(work):
    shown = {name: _capture(name) for name in ("echo", "store", "tls", "us_dup")}
    rows = judges.wire(work(captures=tuple(shown), capture=shown.__getitem__))
    assert [row.files for row in rows] == [3, 3] and not judges.failed(rows)
    assert {remark.where for remark in rows[0].remarks} == {"store-1-CT.dcm", "us_dup-1-cut.dcm", "us_dup-2-cut.dcm"}


# --- the feed


def _message(event, quirk=None):
    return next(message for seed in (1, 2, 3) for message in hospital(seed, "tiny").feed
                if message.event == event and (quirk in message.quirks if quirk else not message.quirks))


@_needs_package("hl7apy")
def test_messages_are_judged_strictly_and_quirks_must_show(work):
    merge, order = _message("ADT^A40"), _message("ORM^O01")
    cut = _message("ORM^O01", "cut off")
    lost = merge._replace(bytes=b"".join(line + b"\r" for line in merge.bytes.split(b"\r") if line and not line.startswith(b"MRG")))
    claims = merge._replace(quirks=("cut off",))
    row, = judges.feed(work(feed=[merge, order, cut, lost, claims]))
    assert row.files == 5
    assert [text for _, text in _errors(row)] == [
        "Missing required child ADT_A39_PATIENT.MRG", "quirk 'cut off' on purpose, and the judge does not notice"]
    expected = {remark.text for remark in row.remarks if remark.level == "expected"}
    assert "on purpose: quirk 'cut off'" in expected and "Missing required child ORM_O01_CHOICE.RQD" in expected


@_needs_package("hl7apy")
def test_an_error_behind_a_false_alarm_is_found():
    nameless = re.sub(r"(\rPID\|(?:[^|]*\|){4})[^|]*", r"\1", _message("ORM^O01").text)
    said = [text for level, text in judges.strictly(nameless) if level == "error"]
    assert "Missing required child ORM_O01_CHOICE.RQD" in said and "Missing required child PID.PID_5" in said


# --- audit trail, worklist


@_needs_package("lxml")
def test_audit_messages_are_judged_by_the_schema(work, tmp_path):
    (tmp_path / "dicom-audit").mkdir()
    (tmp_path / "dicom-audit" / "some.xsd").write_text(SCHEMA)
    trail = hospital(1, "tiny").audit
    kept = [event.number - 1 for event in trail.events if event.malformed in (None, "no active participant")][:400]
    lines, events = [trail.lines[place] for place in kept], [trail.events[place] for place in kept]
    events = [event._replace(malformed=event.malformed if place != 0 else "outcome 1") for place, event in enumerate(events)]
    lines[1] = lines[1].replace("<AuditSourceIdentification", "<SourceIdentification", 1).replace(
        "</AuditSourceIdentification", "</SourceIdentification", 1)
    row, = judges.audit(work(audit=SimpleNamespace(lines=lines, events=events)), judges._schema(tmp_path))
    assert row.files == 400 and row.what == "audit messages, by some"
    assert [where for where, _ in _errors(row)] == [f"message {events[0].number}", f"message {events[1].number}"]
    assert row.count("expected") == sum(event.malformed == "no active participant" for event in events) > 0


def test_without_a_schema_the_audit_trail_is_not_judged(work):
    row, = judges.audit(work(), None)
    assert row.files == 0 and row.version in ("no --schemas", judges.NOT_INSTALLED)


@_needs("wlmscpfs", "findscu", "echoscu")
def test_a_foreign_server_answers_each_worklist_item(work):
    items = hospital(1, "tiny").worklist.items("2025-03-30 01:41:03")
    row, = judges.worklist(work(worklist=SimpleNamespace(items=lambda: items)))
    assert row.files == len(items) > 5 and row.remarks == []


@_needs("wlmscpfs", "findscu", "echoscu")
def test_an_item_that_the_server_passes_over_is_an_error(work):
    items = hospital(1, "tiny").worklist.items("2025-03-30 01:41:03")
    modality = items[0]["ScheduledProcedureStepSequence"][0]["Modality"]
    items[0] = {key: value for key, value in items[0].items() if key != "PatientName"}
    row, = judges.worklist(work(worklist=SimpleNamespace(items=lambda: items)))
    (where, text), = _errors(row)
    assert where == modality and "items answered" in text


# --- what is printed

ROWS = [
    judges.Row("captures", "tshark", "4.0.17", 1234, [judges.Remark("echo frame 3", "error", "malformed packet")] * 2),
    judges.Row("DICOM objects", "dciodvfy", "1.00", 2, [
        judges.Remark("a/0000.dcm", "warning", "odd in file <a/0000.dcm> versus <a/0001.dcm>"),
        judges.Remark("a/0001.dcm", "warning", "odd in file <a/0001.dcm> versus <a/0002.dcm>"),
        judges.said("dciodvfy", "a/0000.dcm", "error", 'Inappropriate example root for UID - "2.999.1" in (0x0020,0x000d)')]),
]


def test_the_table_and_what_is_below_it():
    assert judges.table(ROWS).splitlines() == [
        "what           judge     version  files  errors  warnings  expected",
        "-------------------------------------------------------------------",
        "captures       tshark    4.0.17   1,234       2         0         0",
        "DICOM objects  dciodvfy  1.00         2       0         2         1",
    ]
    assert judges.details(ROWS).splitlines() == [
        "", "Errors:", "        2  tshark: malformed packet  [first: echo frame 3]",
        "", "Warnings:", "        2  dciodvfy: odd in file ... versus ...  [first: a/0000.dcm]",
        "", "Expected:", "        1  dciodvfy: 2.999 is the arc for examples: right here, wrong in a hospital",
    ]
    assert judges.failed(ROWS) and not judges.failed(ROWS[1:])


@pytest.mark.parametrize("rows, code", [(ROWS, 1), (ROWS[1:], 0)])
def test_the_command(monkeypatch, capsys, rows, code):
    asked = []
    monkeypatch.setattr(judges, "judge", lambda h, jobs, schemas, progress: asked.append((h.seed, jobs, schemas)) or rows)
    assert cli.main(["dataset", "judge", "--seed", "5", "--jobs", "3", "--schemas", "folder"]) == code
    assert asked == [(5, 3, "folder")] and "dciodvfy" in capsys.readouterr().out


def test_a_folder_without_the_schema_is_told_at_once(tmp_path, capsys):
    assert cli.main(["dataset", "judge", "--schemas", str(tmp_path)]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == f"There is no schema dicom-audit/*.xsd in {tmp_path}."


# --- the contact sheet


def _picture(ds):
    picture, frame, frames = contact_sheet.shown(ds)
    return np.asarray(picture.convert("L")).astype(int), frame, frames


def test_window_polarity_and_proportions_are_those_of_the_header():
    ds = images.image("mr_brain_t1")[5]
    ds.PixelSpacing = ["2", "1"]
    grey, frame, frames = _picture(ds)
    assert grey.shape == (360, 180) and (frame, frames) == (1, 1)
    ds.PhotometricInterpretation = "MONOCHROME1"
    assert np.abs(_picture(ds)[0] + grey - 255).max() <= 2
    ds.PhotometricInterpretation, ds.WindowCenter = "MONOCHROME2", 1e5
    assert _picture(ds)[0].max() == 0


def test_a_voi_lut_is_applied():
    ds = images.image("mr_brain_t1")[5]
    del ds.WindowCenter, ds.WindowWidth
    lut = Dataset()
    lut.LUTDescriptor, lut.LUTData = [2, 100, 8], [0, 255]
    lut["LUTDescriptor"].VR = lut["LUTData"].VR = "US"
    ds.VOILUTSequence = [lut]
    picture = contact_sheet._through_voi_lut(ds, Display(ds))
    assert ((picture == 255) == (ds.pixel_array > 100)).all() and set(np.unique(picture)) == {0, 255}


def test_the_middle_frame_is_shown_as_its_functional_groups_say():
    still = images.image("mr_brain_t1")[5]
    clip, place, shared = copy.deepcopy(still), Dataset(), Dataset()
    del clip.WindowCenter, clip.WindowWidth, clip.PixelSpacing
    clip.NumberOfFrames, clip.PixelData = 3, bytes(len(still.PixelData)) + still.PixelData + bytes(len(still.PixelData))
    place.FrameVOILUTSequence, shared.PixelMeasuresSequence = [Dataset()], [Dataset()]
    place.FrameVOILUTSequence[0].WindowCenter, place.FrameVOILUTSequence[0].WindowWidth = still.WindowCenter, still.WindowWidth
    shared.PixelMeasuresSequence[0].PixelSpacing = still.PixelSpacing
    clip.SharedFunctionalGroupsSequence, clip.PerFrameFunctionalGroupsSequence = [shared], [Dataset(), place, Dataset()]
    grey, frame, frames = _picture(clip)
    assert (frame, frames) == (2, 3) and (grey == _picture(still)[0]).all()


def test_a_colour_image_stays_as_it_is():
    ds = images.image("us_carotid")
    picture = np.asarray(contact_sheet.shown(ds)[0]).astype(int)
    assert (picture[..., 0] - picture[..., 2]).max() > 60 and contact_sheet.spacing(ds) == contact_sheet.spacing(ds)[::-1]


def test_documents_are_told_in_lines():
    told = contact_sheet.lines(images.image("sr_dose_ct"))
    assert told[0] == "X-Ray Radiation Dose SR Storage"
    total = images.truth("sr_dose_ct")["DLP"]
    assert f"      CT Dose Length Product Total: {total} mGy.cm" in told


def test_pages(monkeypatch, tmp_path, capsys):
    made = {"series": images.image("mr_brain_t1"), "dose": images.image("sr_dose_ct"), "cine": images.image("us_ob_cine")}
    monkeypatch.setattr(images, "CATALOGUE", {"few": dict.fromkeys(made, "W" * 100)})
    monkeypatch.setattr(images, "image", lambda name, seed: made[name])
    monkeypatch.setattr(contact_sheet, "COLUMNS", 2)
    monkeypatch.setattr(contact_sheet, "ROWS", 1)
    assert cli.main(["dataset", "sheet", str(tmp_path / "sheet.png"), "--seed", "1"]) == 0
    files = [tmp_path / "sheet.png", tmp_path / "sheet-2.png"]
    assert capsys.readouterr().out.splitlines() == [str(file) for file in files]
    for file in files:
        picture = np.asarray(Image.open(file))
        assert picture.shape == (420, 750, 3) and picture.max() > 200
    assert np.asarray(Image.open(files[1]))[:, 380:].max() == 0                    # there is one tile
    assert cli.main(["dataset", "sheet", str(tmp_path / "nowhere" / "sheet.png")]) == 1
    assert "could not be written" in capsys.readouterr().err
