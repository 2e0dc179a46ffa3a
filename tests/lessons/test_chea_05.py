"""What learners give in lesson chea-05 beyond the solutions and wrong ways, and the discs and objects that they are asked about."""

import copy
import hashlib
import io
import json
import random
import re
import shutil
import subprocess
import warnings
from pathlib import PurePosixPath

import pandas
import pytest
from pydicom import Dataset, dcmread
from pydicom.fileset import FileSet
from pydicom.sequence import Sequence
from pydicom.sr._concepts_dict import concepts
from pydicom.uid import UID, generate_uid

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.lessons import chea_05_import_export as module
from coursekit.lessons.chea_05_import_export import lesson
from coursekit.systems.scu import Scu
from coursekit.systems.system import running

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(3, "tiny"), lambda: [hospital(201, "tiny")])


def judged(name, editions, given):
    return EXERCISES[name].judge((given,), editions)


def refused(name, editions, given):
    verdict = judged(name, editions, given)
    assert verdict.outcome is Outcome.NOT_YET and "course's fault" not in verdict.message, verdict
    return verdict


def solved(name, editions):
    return EXERCISES[name].computed(EXERCISES[name].solution, editions.own)


def given(name, editions):
    return copy.deepcopy(lesson.input_of(name, editions.own))


# --- exercise 1

def by_the_tree(disc):
    """Follows the offsets, as a reader of the directory does, and gives sets of paths with backslashes."""
    directory = dcmread(io.BytesIO(disc["DICOMDIR"]))
    at = {record.seq_item_tell: record for record in directory.DirectoryRecordSequence}
    listed, waiting = set(), [directory.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity]
    while waiting:
        offset = waiting.pop()
        if not offset:
            continue
        record = at[offset]
        waiting += [record.OffsetOfTheNextDirectoryRecord, record.OffsetOfReferencedLowerLevelDirectoryEntity]
        element = record.get("ReferencedFileID")
        if element and record.RecordInUseFlag:
            listed.add("/".join([element] if isinstance(element, str) else list(element)))
    found = {path for path, content in disc.items() if len(content) > 132 and content[128:132] == b"DICM"} - {"DICOMDIR"}
    letters = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
    bad = {path for path in found if len(path.split("/")) > 8 or any(
        not 1 <= len(part) <= 8 or set(part) - letters for part in path.split("/"))}
    return {"Missing": {path.replace("/", "\\") for path in listed - set(disc)}, "unlisted": found - listed, "bad names": tuple(bad)}


def lists_twice(disc):
    right = module.AuditTheDisc.solution(disc)
    return {name: paths + paths for name, paths in right.items()}


def parts_as_lists(disc):
    return {name: [path.split("/") for path in paths] for name, paths in module.AuditTheDisc.solution(disc).items()}


def path_objects(disc):
    return {name: {PurePosixPath(path) for path in paths} for name, paths in module.AuditTheDisc.solution(disc).items()}


@pytest.mark.parametrize("audit", [by_the_tree, lists_twice, parts_as_lists, path_objects])
def test_audits_of_another_make_are_right(editions, audit):
    assert judged("AuditTheDisc", editions, audit).correct, audit


@pytest.mark.parametrize("changed, way", [
    ({"dicom": lambda path, content: "." not in path}, None),
    ({"dicom": lambda path, content: not path.lower().endswith((".txt", ".inf", ".exe", ".htm"))}, None),
    ({"same": lambda path: path.rpartition("/")[2]}, None),
    ({"conforms": lambda path: path == path.upper()}, None),
    ({"conforms": lambda path: all(len(one) <= 8 for one in path.split("/"))}, None),
    ({"conforms": lambda path: re.fullmatch("([A-Z0-9_]{1,8}/)*[A-Z0-9_]{1,8}", path)}, "any_number_of_parts"),
    ({"conforms": lambda path: re.fullmatch("([A-Z0-9_]{1,8}/){0,6}[A-Z0-9_]{1,8}", path)}, None),
    ({"conforms": lambda path: re.fullmatch("([A-Z0-9_]{1,9}/){0,7}[A-Z0-9_]{1,9}", path)}, None),
    ({"conforms": lambda path: re.fullmatch("([A-Z0-9_ ]{1,8}/){0,7}[A-Z0-9_ ]{1,8}", path)}, None),
    ({"conforms": lambda path: re.fullmatch("([A-Z0-9_-]{1,8}/){0,7}[A-Z0-9_-]{1,8}", path)}, None),
    ({"conforms": lambda path: re.fullmatch("([A-Z0-9]{1,8}/){0,7}[A-Z0-9]{1,8}", path)}, None),
    ({"conforms": lambda path: re.fullmatch("([A-Z][A-Z0-9_]{0,7}/){0,7}[A-Z][A-Z0-9_]{0,7}", path)}, None),
    ({"conforms": lambda path: re.fullmatch("([A-Za-z0-9_]{1,8}/)?([A-Z0-9_]{1,8}/){0,6}[A-Z0-9_]{1,8}", path)}, None),
    ({"dicom": lambda path, content: content[:132] == bytes(128) + b"DICM"}, None),
    ({"dicom": lambda path, content: content[128:132] == b"DICM" and not path.startswith("VIEWER")}, None),
    ({"every_record": True, "itself": True}, None), ({"kinds": ("IMAGE", "SR DOCUMENT")}, "images_only"),
    ({"same": str.lower}, "case_ignored"), ({"itself": True}, "directory_too"),
    ({"dicom": lambda path, content: b"DICM" in content}, "prefix_anywhere"),
    ({"dicom": lambda path, content: content.startswith(b"DICM")}, "prefix_first"),
    ({"dicom": lambda path, content: content[128:132] == b"DICM" and not path.endswith("DICOMDIR")}, "every_directory")])
def test_audits_with_one_idea_changed(editions, changed, way):
    verdict = refused("AuditTheDisc", editions, lambda disc: module._audited(disc, **changed))
    assert way is None or verdict.label == way, verdict


def test_a_file_that_is_there_and_is_no_dicom_file_is_not_missing(editions):
    def audit(disc):
        only_dicom = {path: content for path, content in disc.items() if content[128:132] == b"DICM"}
        return {**module.AuditTheDisc.solution(disc), "missing": module.AuditTheDisc.solution(only_dicom)["missing"]}

    assert "missing" in refused("AuditTheDisc", editions, audit).message


def test_a_message_names_discs_and_objects_and_does_not_dump_them(editions):
    said = [refused("AuditTheDisc", editions, lambda disc: {**module.AuditTheDisc.solution(disc), "missing": ["A"]}).message,
            refused("Reconcile", editions, lambda image, local, source, now: image).message,
            refused("ReplaceUids", editions, lambda images: images).message,
            refused("Deidentify", editions, lambda images, key: images).message]
    assert "a disc with" in said[0] and "[MR 1, MR 2, PR 101]" in said[2]
    assert not any("\\x00" in message or "Dataset" in message or "----" in message for message in said), said


def test_a_record_without_a_file_is_asked_first(editions):
    def audit(disc):
        directory = dcmread(io.BytesIO(disc["DICOMDIR"]))
        return {"missing": ["/".join(record.ReferencedFileID) for record in directory.DirectoryRecordSequence]}

    verdict = refused("AuditTheDisc", editions, audit)
    assert verdict.label == "never_asked" and "most records have none" in verdict.message and "AttributeError" in verdict.message


def test_what_an_audit_returns_may_be_incomplete(editions):
    assert "missing" in refused("AuditTheDisc", editions, lambda disc: {"unlisted": [], "bad_names": []}).message
    assert refused("AuditTheDisc", editions, lambda disc: {"missing": [], "unlisted": [], "bad_names": []}).label == "value"
    assert refused("AuditTheDisc", editions, lambda disc: print(disc)).label == "unreadable"


@pytest.mark.parametrize("seed", range(6))
def test_the_disc_has_each_defect_once(seed):
    own = hospital(seed, "tiny")
    disc = lesson.input_of("disc", own)
    found = module.AuditTheDisc.solution(disc)
    assert len(found["missing"]) == 3 and len(found["unlisted"]) == 3 and len(found["bad_names"]) == 2
    assert any(path.endswith(".dcm") for path in found["bad_names"]) and any(path.islower() for path in found["bad_names"])
    flags = [record.RecordInUseFlag for record in dcmread(io.BytesIO(disc["DICOMDIR"])).DirectoryRecordSequence]
    assert flags.count(0) == 1


def written(folder, disc):
    for path, content in disc.items():
        place = folder.joinpath(*path.split("/"))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return folder


def test_a_library_reads_the_directory(tmp_path, editions):
    disc = given("disc", editions)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                     # of the files that are missing, as they are to be
        read = FileSet(written(tmp_path, disc) / "DICOMDIR")
    listed = module._audited(disc)
    assert len(read) > 8 and listed["missing"]
    assert {str(PurePosixPath(*one.ReferencedFileID)) for one in read} <= set(disc) | set(listed["missing"]) | {
        path.upper() for path in disc}                      # a file system may take small letters for large ones


@pytest.mark.skipif(not shutil.which("dciodvfy"), reason="dicom3tools is not installed")
def test_directory_images_and_export_are_conformant(tmp_path, editions):
    folder = written(tmp_path, given("disc", editions))
    exported = module.Deidentify.solution(given("trial_images", editions), given("key", editions))
    for number, ds in enumerate([*given("trial_images", editions), *exported]):
        (folder / f"OUT{number}").write_bytes(module._bytes(ds))
    for path in folder.rglob("*"):
        if path.is_file() and path.read_bytes()[128:132] == b"DICM":
            said = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False).stderr
            errors = [line for line in said.splitlines() if line.startswith("Error") and "example root" not in line]
            assert not errors, (path.name, errors)


# --- exercise 2

def test_decisions_in_other_forms_are_right(editions):
    right = solved("DecideEachSeries", editions)
    assert judged("DecideEachSeries", editions, {name.lower(): decision.upper() for name, decision in right.items()}).correct
    assert judged("DecideEachSeries", editions, list(right.items())).correct
    assert judged("DecideEachSeries", editions, pandas.Series(right)).correct
    assert judged("DecideEachSeries", editions, pandas.DataFrame({"series": list(right), "decision": list(right.values())})).correct


def test_a_single_wrong_decision_is_diagnosed(editions):
    table, right = given("disc_series", editions), solved("DecideEachSeries", editions)
    rows = {row["description"] + row["lossy"] + row["modality"]: row["series"] for _, row in table.iterrows()}
    for row, decision, way in (("Thorax 5.001CT", "refuse", "lossy_refused"), ("Thorax 5.001CT", "hold", "lossy_held"),
                               ("TopogramCT", "import", "localizers_imported"), ("Fusion, screenCT", "import", "burned_in_imported"),
                               ("AbdomenUS", "hold", "another_is_held"), ("PET WB ACPT", "hold", "exact_spelling"),
                               ("Thorax 5.001CT", "skip", "lossy_skipped"), ("Fusion, screenCT", "skip", "burned_in_skipped"),
                               ("AbdomenUS", "skip", "wanted_first")):
        assert refused("DecideEachSeries", editions, {**right, rows[row]: decision}).label == way, row
    strange = table.loc[(table["issuer"] == "") & (table["modality"] == "CT"), "series"].iloc[0]
    assert refused("DecideEachSeries", editions, {**right, strange: "hold"}).label == "strange_number_held"
    some = refused("DecideEachSeries", editions, {**right, rows["AbdomenUS"]: "skip"})
    assert "Take the rules in their order" in some.message and "refuse" not in some.message


def test_a_word_that_is_no_decision_is_told_so(editions):
    past = {"import": "imported", "skip": "skipped", "refuse": "refused", "hold": "held"}
    for given in ({name: past[one] for name, one in solved("DecideEachSeries", editions).items()},
                  {**solved("DecideEachSeries", editions), "S3": "imported"}):
        message = refused("DecideEachSeries", editions, given).message
        assert "none of the four words" in message and "Take the rules" not in message


def test_a_decision_that_is_missing_or_none(editions):
    right = solved("DecideEachSeries", editions)
    assert "S9" in refused("DecideEachSeries", editions, {name: one for name, one in right.items() if name != "S9"}).message
    assert refused("DecideEachSeries", editions, {**right, "S1": None}).label != "trouble"
    assert set(right.values()) == {"import", "hold", "refuse", "skip"}


# --- exercise 3

def on_a_copy(image, local, source, now):
    new, before = copy.deepcopy(image), Dataset()
    if source and "IssuerOfPatientID" in image:
        before.IssuerOfPatientID = image.IssuerOfPatientID           # beside the number, even where it stays
    for keyword, value in local.items():
        if str(image.get(keyword, "")) != str(value):
            setattr(before, keyword, image.get(keyword, ""))
            new.update({keyword: value})
    trace, other = Dataset(), Dataset()
    trace.ReasonForTheAttributeModification = "COERCE"
    trace.SourceOfPreviousValues, trace.ModifyingSystem, trace.AttributeModificationDateTime = source, "HV_IMPORT", now
    trace.ModifiedAttributesSequence = Sequence([before])
    new.OriginalAttributesSequence = Sequence([trace, *image.get("OriginalAttributesSequence", [])])     # the newest first
    other.TypeOfPatientID, other.PatientID = "TEXT", image["PatientID"].value
    other.IssuerOfPatientID = image.IssuerOfPatientID if image.get("IssuerOfPatientID") else source
    new.OtherPatientIDsSequence = Sequence([other, *image.get("OtherPatientIDsSequence", [])])
    return new


def as_a_list(image, local, source, now):
    return [module.Reconcile.solution(image, local, source, now)]


def as_a_file(image, local, source, now):
    return module._bytes(module.Reconcile.solution(image, local, source, now))


@pytest.mark.parametrize("reconcile", [on_a_copy, as_a_list, as_a_file])
def test_reconciliations_of_another_make_are_right(editions, reconcile):
    verdict = judged("Reconcile", editions, reconcile)
    assert verdict.correct, verdict


def changed_by(change):
    def reconcile(image, local, source, now):
        made = module.Reconcile.solution(image, local, source, now)
        change(made)
        return made
    return reconcile


@pytest.mark.parametrize("change", [
    lambda ds: setattr(ds, "InstitutionName", "Harbour Vale General Hospital"),
    lambda ds: setattr(ds.OriginalAttributesSequence[-1], "ModifyingSystem", "HV_PACS"),
    lambda ds: setattr(ds.OriginalAttributesSequence[-1], "AttributeModificationDateTime", "20250407"),
    lambda ds: setattr(ds.OriginalAttributesSequence[-1], "SourceOfPreviousValues", ""),
    lambda ds: setattr(ds.OriginalAttributesSequence[-1], "ReasonForTheAttributeModification", "Coerce"),
    lambda ds: setattr(ds.OtherPatientIDsSequence[-1], "TypeOfPatientID", "BARCODE"),
    lambda ds: setattr(ds, "SeriesDescription", "imported"),
    lambda ds: ds.OriginalAttributesSequence[-1].ModifiedAttributesSequence.append(Dataset()),
    lambda ds: setattr(ds.OriginalAttributesSequence[-1].ModifiedAttributesSequence[0], "StudyDate", "20250321"),
    lambda ds: setattr(ds, "SOPInstanceUID", UID("2.999.1")), lambda ds: setattr(ds, "PatientName", "NOBODY"),
    lambda ds: setattr(ds.file_meta, "MediaStorageSOPInstanceUID", UID("1.2.3")),
    lambda ds: setattr(ds.OriginalAttributesSequence[-1], "AttributeModificationDateTime", module.NOW),
    lambda ds: ds.OriginalAttributesSequence[-1].ModifiedAttributesSequence[0].pop("IssuerOfPatientID", None)])
def test_what_is_not_reconciled(editions, change):
    refused("Reconcile", editions, changed_by(change))


def regenerated(image, local, source, now):
    made = module.Reconcile.solution(image, local, source, now)
    made.StudyInstanceUID, made.SeriesInstanceUID, made.SOPInstanceUID = generate_uid(), generate_uid(), generate_uid()
    return made


def marked_as_imported(image, local, source, now):
    made = module.Reconcile.solution(image, local, source, now)
    made.InstanceOriginStatus = "IMPORTED"
    return made


def test_misconceptions_about_reconciling_have_their_own_message(editions):
    assert refused("Reconcile", editions, regenerated).label == "new_uids"
    assert refused("Reconcile", editions, changed_by(lambda ds: setattr(ds, "StudyInstanceUID", generate_uid()))).label == "new_study"
    ours = changed_by(lambda ds: setattr(ds.OtherPatientIDsSequence[-1], "IssuerOfPatientID", "HVGH"))
    assert refused("Reconcile", editions, ours).label == "our_issuer"
    one = changed_by(lambda ds: setattr(ds, "SOPInstanceUID", generate_uid()))
    assert "uses valid UIDs as they are" in refused("Reconcile", editions, one).message
    number = changed_by(lambda ds: setattr(ds.OtherPatientIDsSequence[-1], "PatientID", ds.PatientID))
    assert refused("Reconcile", editions, number).label == "number_read_too_late"
    previous = changed_by(lambda ds: ds.OriginalAttributesSequence[-1].ModifiedAttributesSequence[0].clear())
    assert refused("Reconcile", editions, previous).label == "compared_too_late"
    assert judged("Reconcile", editions, marked_as_imported).correct


def test_a_previous_value_that_was_never_there_is_told_so(editions):
    def reconcile(image, local, source, now):
        image.IssuerOfPatientID = image.get("IssuerOfPatientID") or source
        return module.Reconcile.solution(image, local, source, now)

    message = refused("Reconcile", editions, reconcile).message
    assert "Issuer of Patient ID (0010,0021) does not belong there" in message and "absent or empty had no value" in message


def test_the_keywords_of_another_import_are_others(editions):
    six = ["PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "AccessionNumber"]
    refused("Reconcile", editions, lambda image, local, source, now: module.Reconcile.solution(
        image, {keyword: local.get(keyword) or image.get(keyword, "") for keyword in six}, source, now))


def test_a_number_that_is_there_already_is_another_issuers(editions):
    def reconcile(image, local, source, now):
        there = [item.PatientID for item in image.get("OtherPatientIDsSequence", [])]
        old, made = image.PatientID, module.Reconcile.solution(image, local, source, now)
        if old in there:
            del made.OtherPatientIDsSequence[-1]
        return made

    assert "Other Patient IDs Sequence" in refused("Reconcile", editions, reconcile).message


def test_an_empty_issuer_is_none(editions):
    def reconcile(image, local, source, now):
        issuer, made = image.get("IssuerOfPatientID", source), module.Reconcile.solution(image, local, source, now)
        made.OtherPatientIDsSequence[-1].IssuerOfPatientID = issuer
        return made

    assert refused("Reconcile", editions, reconcile).label == "empty_issuer_kept"


def test_an_empty_previous_value_may_stand_in_the_trace_or_not(editions):
    def reconcile(image, local, source, now):
        before = {keyword: image.get(keyword) for keyword in local}
        made = module.Reconcile.solution(image, local, source, now)
        for keyword, old in before.items():
            if old == "":
                made.OriginalAttributesSequence[-1].ModifiedAttributesSequence[0].pop(keyword, None)     # as `if old:` leaves it
        return made

    assert judged("Reconcile", editions, reconcile).correct


@pytest.mark.parametrize("keyword, value, told", [
    ("ModifyingSystem", "HV_PACS", "It is `HV_PACS`."), ("ReasonForTheAttributeModification", "coerce", "capital letters only"),
    ("SourceOfPreviousValues", "", "It is empty.")])
def test_what_stands_in_a_wrong_attribute_is_told(editions, keyword, value, told):
    message = refused("Reconcile", editions, changed_by(lambda ds: setattr(ds.OriginalAttributesSequence[-1], keyword, value))).message
    assert told in message and len(message) < 500, message
    kind = changed_by(lambda ds: setattr(ds.OtherPatientIDsSequence[-1], "TypeOfPatientID", "Text"))
    assert "It is `Text`. It is a code string" in refused("Reconcile", editions, kind).message


def test_a_reconciliation_that_changes_nothing_or_returns_nothing(editions):
    assert refused("Reconcile", editions, lambda image, local, source, now: image).label == "value"
    assert "Is a `return` missing?" in refused("Reconcile", editions, lambda image, local, source, now: print(now)).message
    for broken in (Dataset(), "image", {"PatientID": "1"}, [], 7):
        refused("Reconcile", editions, lambda image, local, source, now, broken=broken: broken)


# --- exercise 4

def with_one_query(images, port):
    """Asks once which UIDs there are, and keeps the list up to date itself."""
    scu = Scu("HV_IMPORT", "HV_PACS", port, syntaxes=["1.2.840.10008.1.2.1"], classes=[module.CT])
    study, series = images[0].StudyInstanceUID, images[0].SeriesInstanceUID
    known = {one.SOPInstanceUID: None for one in scu.find("IMAGE", StudyInstanceUID=study, SeriesInstanceUID=series, SOPInstanceUID="")}
    counts = {"stored": 0, "same": 0, "conflict": ()}
    for image in images:
        uid = image.SOPInstanceUID
        if uid not in known:
            assert scu.store(image) == [0]
            known[uid] = module.content_digest(image)
            counts["stored"] += 1
            continue
        if known[uid] is None:
            known[uid] = module.content_digest(scu.get("IMAGE", StudyInstanceUID=study, SeriesInstanceUID=image.SeriesInstanceUID,
                                                       SOPInstanceUID=uid)[0])
        if known[uid] == module.content_digest(image):
            counts["same"] += 1
        else:
            counts["conflict"] += (uid,)
    return {**counts, "Found": f"{len(known)} images"}


def overwriting(images, port):
    scu = Scu("HV_IMPORT", "HV_PACS", port)
    scu.store(images)
    return {"stored": len(images), "same": 0, "conflict": [], "found": 4}


def test_an_import_of_another_make_is_right(editions):
    before = running()
    assert judged("BringThemIn", editions, with_one_query).correct
    assert set(running()) <= set(before)


def test_an_import_that_overwrites_is_told_what_it_did(editions):
    verdict = refused("BringThemIn", editions, overwriting)
    assert verdict.label == "noticed" and "One object of the archive is gone" in verdict.message


def importing(same, early=False, send=True, by_series=True, twice=False, finding=None):
    """A function that imports with its own idea of what is the same."""
    def bring_in(images, port):
        scu = Scu("HV_IMPORT", "HV_PACS", port, syntaxes=["1.2.840.10008.1.2.1"], classes=[module.CT])
        keys = {"StudyInstanceUID": images[0].StudyInstanceUID, "SeriesInstanceUID": images[0].SeriesInstanceUID}
        found, counts = len(scu.find("IMAGE", **keys, SOPInstanceUID="")), {"stored": 0, "same": 0, "conflict": []}
        for image in images:
            there = scu.get("IMAGE", **keys, SOPInstanceUID=image.SOPInstanceUID)
            if not there:
                counts["stored"] += 1
                if send:
                    scu.store(image)
            elif same(there[0], image):
                counts["same"] += 1
                if twice:
                    scu.store(image)
            else:
                counts["conflict"].append(image.SOPInstanceUID)
        if finding:
            return {**counts, "found": finding(images)}
        if not by_series:
            del keys["SeriesInstanceUID"]
        return {**counts, "found": found if early else len(scu.find("IMAGE", **keys, SOPInstanceUID=""))}
    return bring_in


def alike(one, other):
    return module.content_digest(one) == module.content_digest(other)


def test_imports_with_an_idea_of_their_own_are_told_of_it(editions):
    assert judged("BringThemIn", editions, importing(alike)).correct
    for client, way in ((importing(alike, by_series=False), "found_in_all_series"),
                        (importing(alike, early=True), "asked_too_early"), (importing(lambda one, other: True), "uid_is_enough"),
                        (importing(lambda one, other: one.PixelData == other.PixelData), "pixels_alone"),
                        (importing(lambda one, other: one.get("ImageComments") == other.get("ImageComments")), "header_alone")):
        assert refused("BringThemIn", editions, client).label == way
    for finding, way in ((len, "found_are_those_of_the_disc"),
                         (lambda images: len({image.SOPInstanceUID for image in images}), "value")):
        assert refused("BringThemIn", editions, importing(alike, finding=finding)).label == way
    again = refused("BringThemIn", editions, importing(alike, twice=True))
    assert again.label == "noticed" and "that the archive has already" in again.message
    unsent = refused("BringThemIn", editions, importing(alike, send=False))
    assert unsent.label == "noticed" and "really sent" in unsent.message


def test_imports_that_do_half_of_it(editions):
    def stores_nothing(images, port):
        right = with_one_query(images, port)
        return {**right, "stored": 0}

    def fails(images, port):
        raise ConnectionError("no archive")

    before = running()
    assert refused("BringThemIn", editions, stores_nothing).label == "value"
    message = refused("BringThemIn", editions, fails).message
    assert "no archive" in message and "At disc 1 of 2: For `bring_in([CT 1, CT 2" in message and "Dataset" not in message
    assert set(running()) <= set(before)


# --- exercise 5

def by_a_table(row, type, options):
    code = next((row[option] for option in options if option in row), row["basic"])
    return {"X/Z/D": "XZD", "X/D": "XXD", "X/Z": "XZZ", "Z/D": "ZZD", "X/Z/U*": "XZU"}.get(code, code * 3)[3 - int(type)]


def test_actions_of_another_make_are_right(editions):
    assert judged("OneAction", editions, by_a_table).correct
    assert judged("OneAction", editions, lambda row, type, options: module.OneAction.solution(row, type, options).lower() + " ").correct


def by_a_number(row, type, options):
    choices = module._one_action(row, options, lambda choices: choices)
    return choices[-1] if type == 1 else "Z" if type == 2 and "Z" in choices else choices[0]


def by_a_number_with_z_left(row, type, options):
    choices = module._one_action(row, options, lambda choices: choices)
    return choices[-1] if type == 1 else choices[0] if type == 3 or "Z" not in choices else "Z"


def by_a_number_with_the_last_left(row, type, options):
    choices = module._one_action(row, options, lambda choices: choices)
    return choices[0] if type == 3 else "Z" if type == 2 and "Z" in choices else choices[-1]


@pytest.mark.parametrize("action, way", [
    (by_a_number, "first_letter"), (by_a_number_with_z_left, "as_type_2_always"), (by_a_number_with_the_last_left, "last_letter")])
def test_a_type_that_is_compared_as_a_number_is_told_so(editions, action, way):
    verdict = refused("OneAction", editions, action)
    assert verdict.label == way and "is never true" in verdict.message


def test_ideas_about_an_action_have_their_own_message(editions):
    first = refused("OneAction", editions, lambda row, type, options: module.OneAction.solution(row, type, options[:1]))
    assert first.label == "first_option_only"

    def second(row, type, options):
        choices = module._one_action(row, options, lambda choices: choices)
        return choices[1] if type == "2" and len(choices) > 1 else module.OneAction.solution(row, type, options)

    assert refused("OneAction", editions, second).label == "second_letter"
    wrong = refused("OneAction", editions, lambda row, type, options: "D" if row["basic"] == "X/Z" else module.OneAction.solution(
        row, type, options)).message
    assert "`X/Z`: its line in the table above has a letter for Type" in wrong or "takes precedence" in wrong


def test_a_code_without_a_slash_is_asked_only_where_it_can_be():
    cases = EXERCISES["OneAction"].cases(random.Random(1))
    assert not any(row["basic"] == code and type in types for row, type, _ in cases for code, types in (("Z", "1"), ("X", "12")))


@pytest.mark.parametrize("action", [
    lambda row, type, options: "X", lambda row, type, options: row["basic"],
    lambda row, type, options: "K" if options else module.OneAction.solution(row, type, []),
    lambda row, type, options: "D" if type == "1" else "X" if type == "3" else "Z",
    lambda row, type, options: module.OneAction.solution(row, {"1": "3", "3": "1"}.get(type, "2"), options)])
def test_actions_that_are_not_right(editions, action):
    refused("OneAction", editions, action)


def test_the_table_is_that_of_its_edition():
    assert all(row["basic"] in ("X", "Z", "D", "U", "X/Z", "X/D", "Z/D", "X/Z/D", "X/Z/U*") for row in module.PROFILE.values())
    for keyword, code in (("PatientID", "Z/D"), ("PatientName", "Z"), ("SeriesDate", "X/D"), ("StudyDescription", "X"),
                          ("ReferencedImageSequence", "X/Z/U*"), ("StudyInstanceUID", "U"), ("StationName", "X/Z/D")):
        assert module.PROFILE[keyword]["basic"] == code
    known = {code: meaning for entries in concepts["DCM"].values() for code, (meaning, groups) in entries.items() if 7050 in groups}
    assert module.METHODS == known


# --- exercises 6 and 7

def by_hand(images):
    """Recursion in place of walk, copies in place of the objects, and UIDs by a hash."""
    def renew(dataset):
        for element in dataset:
            if element.VR == "SQ":
                for one in element.value:
                    renew(one)
            elif element.VR == "UI" and not str(element.value).startswith("1.2.840.10008."):
                element.value = "2.25." + str(int(hashlib.sha256(str(element.value).encode()).hexdigest()[:24], 16))

    made = copy.deepcopy(images)
    for image in made:
        renew(image)
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    return tuple(made)


def by_entropy(images):
    for image in images:
        image.walk(lambda dataset, element: setattr(element, "value", generate_uid(entropy_srcs=["secret", str(element.value)]))
                   if module.ACTIONS.get(element.keyword) == "U" else None)
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
    return images


@pytest.mark.parametrize("replace_uids", [by_hand, by_entropy])
def test_new_uids_that_are_computed_are_right_with_a_warning(editions, replace_uids):
    verdict = judged("ReplaceUids", editions, replace_uids)
    assert verdict.correct and verdict.points == 3 and "computed from the old ones" in verdict.message
    assert "can be looked up" not in verdict.message
    assert "computed from" not in judged("ReplaceUids", editions, module.ReplaceUids.solution).message


@pytest.mark.parametrize("begun", ["1.2.3.4.", "2.25."])
def test_new_uids_that_come_again_in_the_next_call(editions, begun):
    def counted(images):
        new = {}

        def one(dataset, element):
            if module.ACTIONS.get(element.keyword) == "U":
                element.value = new.setdefault(str(element.value), f"{begun}{len(new) + 100}")

        for image in images:
            image.walk(one)
            image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        return images

    verdict = refused("ReplaceUids", editions, counted)
    assert verdict.label == "again" and "came again" in verdict.message


UIDS_BUT_CLASSES = {*(keyword for keyword, action in module.ACTIONS.items() if action == "U"), "ContextUID"}


def test_the_standards_own_uids_stay(editions):
    verdict = refused("ReplaceUids", editions, lambda images: module._with_uids(images, keywords=UIDS_BUT_CLASSES))
    assert verdict.label == "all_but_the_classes"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_is_no_uid_is_told_so(editions):
    for value in (lambda old: "1.2.0" + old[-1] + "5", lambda old: "not a UID", lambda old: "1.2.3." + "4" * 60):
        assert "It is no UID" in refused("ReplaceUids", editions, lambda images, value=value: module._with_uids(images, value=value)).message


@pytest.mark.parametrize("changed", [
    {"value": lambda old: "2.999.7." + old.rpartition(".")[2]}, {"value": lambda old: old}, {"skip": ("StudyInstanceUID",)},
    {"skip": ("SeriesInstanceUID",)}, {"skip": ("SOPInstanceUID",)}, {"value": lambda old: f"2.25.{len(old)}"},
    {"value": lambda old: "not a UID"}, {"each": True, "meta": False}, {"keywords": UIDS_BUT_CLASSES}])
def test_new_uids_that_are_not_right(editions, changed):
    refused("ReplaceUids", editions, lambda images: module._with_uids(images, **changed))


@pytest.mark.parametrize("change, way", [
    (lambda old: "1.2.826.0.1.3680043.8.498" + old.removeprefix("2.999"), "other_root"),
    (lambda old: "1.2.3" + old.removeprefix("2.999"), "other_root"), (lambda old: "2.25." + old.replace(".", ""), "other_root")])
def test_new_uids_that_lead_back(editions, change, way):
    assert refused("ReplaceUids", editions, lambda images: module._with_uids(images, value=change)).label == way


@pytest.mark.parametrize("change", [lambda old: old + ".9", lambda old: generate_uid(prefix="2.999.")])
def test_new_uids_under_our_root_are_told_so(editions, change):
    assert "begins with our root 2.999" in refused("ReplaceUids", editions, lambda images: module._with_uids(images, value=change)).message


def test_the_order_of_a_set_does_not_matter(editions):
    assert judged("ReplaceUids", editions, lambda images: module._with_uids(images)[::-1]).correct


@pytest.mark.parametrize("value, told", [
    ({"CodingSchemeDesignator": None}, "Coding Scheme Designator is missing"), ({"CodingSchemeDesignator": "99HVGH"}, "not that of these"),
    ({"CodeMeaning": None}, "Code Meaning is missing"), ({"CodeMeaning": "whatever"}, "not that of `method_codes`"),
    ({"CodeValue": "113101"}, "113101"), ({"CodeValue": "4711"}, "no code of CID 7050")])
def test_a_method_code_is_read_whole(editions, value, told):
    def deidentify(images, key):
        made = module._deidentified(images, key)
        for image in made:
            for keyword, one in value.items():
                setattr(image.DeidentificationMethodCodeSequence[1], keyword, one)
                if one is None:
                    del image.DeidentificationMethodCodeSequence[1][keyword]
        return made

    assert told in refused("Deidentify", editions, deidentify).message


@pytest.mark.parametrize("changed, way", [
    ({"private": "top"}, "private_at_the_top"), ({"private": "image"}, "private_by_the_image"), ({"offset": "first of all"}, "first_of_the_key"),
    ({"declared": "first"}, "first_declaration"), ({"cleaned": "dates"}, "date_and_time_forgotten"), ({"scheme": "SCT"}, "another_scheme"),
    ({"codes": tuple(module.METHODS)}, "all_codes")])
def test_ideas_about_the_whole_object_have_their_own_message(editions, changed, way):
    assert refused("Deidentify", editions, lambda images, key: module._deidentified(images, key, **changed)).label == way


def private_after_the_walk(images, key):
    """As many write it: the walk for what has a name, a loop at the top for what is private."""
    safe = {id(image): module.safe_elements(image) for image in images}
    made = module._deidentified(images, key, private="all")
    for image in made:
        for element in list(image):
            if element.tag.is_private and not module.element_is_safe(image, element, safe[id(image)]):
                del image[element.tag]
    return made


def deidentified_by(*changes):
    """The solution's own text, changed in one place."""
    import inspect
    import textwrap

    text = textwrap.dedent(inspect.getsource(module.Deidentify.solution))
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    space = dict(vars(module))
    exec(text, space)                                       # noqa: S102
    return space["solution"]


@pytest.mark.parametrize("old, new, told", [
    ('elif action == "Z":', 'elif action == "Z" and dataset is image:', "Referenced Request Sequence"),
    ("if element.tag.is_private:", "if element.tag.group == 0x0019:", "(0029,"),
    ("if element.tag.is_private:", 'if element.tag.is_private and image.Modality == "MR":', "(0029,"),
    ("if not is_safe", "if element.tag.is_private_creator or not is_safe", "once it is deleted nobody owns the block"),
    ("safe_private(image)", "set().union(*map(safe_private, images))", "or all of them together")])
def test_one_line_of_the_whole_object_changed(editions, old, new, told):
    assert told in refused("Deidentify", editions, deidentified_by((old, new))).message


def test_private_elements_of_items_count(editions):
    assert refused("Deidentify", editions, private_after_the_walk).label == "private_at_the_top"
    item = given("trial_images", editions)[1].ContributingEquipmentSequence[0]
    assert [element.tag.element for element in item if element.tag.is_private] == [0x10, 0x11, 0x100C, 0x110C, 0x1120]


def test_private_creators_of_items_may_stay_or_go(editions):
    def with_creators(images, key):
        made = module.Deidentify.solution(images, key)
        for image in made:
            for item in image.get("ContributingEquipmentSequence", []):
                item.add_new((0x0019, 0x0010), "LO", "NORR ROUTER")
        return made

    assert judged("Deidentify", editions, with_creators).correct


def test_the_days_of_another_patient_are_told_so(editions):
    def with_days(images, key):
        shifted = {pid: (subject, days + 1) for pid, (subject, days) in key.items()}
        return module._deidentified(images, shifted)

    assert "not moved by the days of *this* patient" in refused("Deidentify", editions, with_days).message


def test_dummies_where_empty_was_agreed_are_told_so(editions):
    def with_dummies(images, key):
        made = module._deidentified(images, key)
        for image in made:
            image.AccessionNumber = "0000"
        return made

    assert "between empty and a dummy; agreed here is empty" in refused("Deidentify", editions, with_dummies).message


def test_a_set_that_lost_an_object(editions):
    assert "missing" in refused("ReplaceUids", editions, lambda images: module._with_uids(images)[:-1]).message
    refused("ReplaceUids", editions, lambda images: print(images))
    refused("ReplaceUids", editions, lambda images: [image.PatientID for image in images])


def deidentified_otherwise(images, key):
    """On copies, with removal before everything, the codes in another order and in small letters, and private creators left."""
    made = by_hand(images)
    for image in made:
        subject, days = key[str(image.PatientID)]
        safe = {(block.PrivateGroupReference, block.PrivateCreatorReference, number)
                for block in image.get("PrivateDataElementCharacteristicsSequence", []) for number in block.NonidentifyingPrivateElements}

        def clean(dataset, top=image, safe=safe, days=days):
            for element in list(dataset):
                action = module.ACTIONS.get(element.keyword, "K")
                if element.tag.is_private:
                    block = dataset.get((element.tag.group, element.tag.element >> 8))
                    if element.tag.element >= 0x1000 and (element.tag.group, block.value, element.tag.element % 0x100) not in safe:
                        del dataset[element.tag]
                elif action == "X":
                    dataset.pop(element.tag)
                elif action == "Z":
                    element.value = ""
                elif action == "C" and element.VR != "TM":
                    day = pandas.Timestamp(element.value[:8]) + pandas.Timedelta(days=days)
                    element.value = day.strftime("%Y%m%d") + element.value[8:]
                elif element.VR == "SQ":
                    for item in element.value:
                        clean(item, top, safe, days)

        clean(image)
        image.PatientID, image.PatientName = subject, subject
        image.LongitudinalTemporalInformationModified, image.PatientIdentityRemoved = "MODIFIED", "YES"
        image.DeidentificationMethod = "NM-ONC export"
        codes = []
        for number in ("113111", "113100", "113107"):
            code = Dataset()
            code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = number, "DCM", module.METHODS[number].lower()
            codes.append(code)
        image.DeidentificationMethodCodeSequence = codes
    return list(made)


def test_a_deidentification_of_another_make_is_right(editions):
    verdict = judged("Deidentify", editions, deidentified_otherwise)
    assert verdict.correct, verdict


@pytest.mark.parametrize("changed, way", [
    ({"private": "none"}, "no_private"), ({"private": "number"}, "private_by_number"), ({"offset": "first"}, "one_offset_for_all"),
    ({"codes": ("113100", "113107")}, None), ({"codes": ("113100", "113111")}, None), ({"codes": (*module.AGREED, "113101")}, None),
    ({"flag": "YES"}, None), ({"removed_flag": "NO"}, None), ({"removed_flag": "yes"}, None),
    ({"private": "all", "codes": ("113100",)}, None),
    ({"deep": False, "private": "none"}, None), ({"cleaned": "kept", "flag": "UNMODIFIED", "codes": ("113100", "113106", "113111")}, None)])
def test_deidentifications_with_an_idea_changed(editions, changed, way):
    verdict = refused("Deidentify", editions, lambda images, key: module._deidentified(images, key, **changed))
    assert way is None or verdict.label == way, verdict


def test_attributes_that_are_forgotten_are_named(editions):
    def forgetful(images, key):
        comments = [image.get("ImageComments") for image in images]
        made = module.Deidentify.solution(images, key)
        for image, comment in zip(made, comments):
            if comment:
                image.ImageComments = comment
        return made

    assert "Image Comments" in refused("Deidentify", editions, forgetful).message


def test_an_exported_set_leads_back_to_nobody(editions):
    images = given("trial_images", editions)
    name, pid, *_ = module._subject(editions.own)
    made = module.Deidentify.solution(copy.deepcopy(images), given("key", editions))
    # The file meta information, but for (0002,0003), is of whoever writes the file.
    text, before = ("".join(str(Dataset(dict(one))) for one in many) for many in (made, images))
    for secret in (name, pid, "2.999.", "JANSEN", "VERBEEK", "RADEMAKER", "HV_PACS", "HV_ROUTER", "Harbour Vale"):
        assert secret in before and secret not in text, secret
    assert "1000" in text and "HELIO MR DIFFUSION" in text


# --- exercise 8

def test_risks_in_other_forms_are_right(editions):
    right = solved("HowSmallIsTheCrowd", editions)
    as_text = {"K": float(right["k"]), "alone": str(right["alone"]), "Band": f"{right['band']} years"}
    assert judged("HowSmallIsTheCrowd", editions, as_text).correct
    assert judged("HowSmallIsTheCrowd", editions, pandas.Series(right)).correct
    for entry in ("k", "alone", "band"):
        refused("HowSmallIsTheCrowd", editions, {**right, entry: right[entry] + 3})
    assert refused("HowSmallIsTheCrowd", editions, {**right, "band": 20}).label == "one_too_wide"
    assert refused("HowSmallIsTheCrowd", editions, {**right, "band": 40}).label == "widest"


@pytest.mark.parametrize("columns", [("age", "month"), ("sex", "month")])
def test_groups_by_other_columns_are_told_what_to_look_at(editions, columns):
    sizes = module._groups(given("subjects", editions), columns=columns)
    made = {**solved("HowSmallIsTheCrowd", editions), "alone": int((sizes == 1).sum())}
    assert "all three columns at once" in refused("HowSmallIsTheCrowd", editions, made).message


@pytest.mark.parametrize("seed", range(10))
def test_a_band_is_to_be_found_in_every_edition(seed):
    subjects = lesson.input_of("subjects", hospital(seed, "tiny"))
    right = module.HowSmallIsTheCrowd.solution(subjects)
    assert right["k"] == 1 and 40 < right["alone"] < 200 and right["band"] in module.BANDS
    assert module._groups(subjects, right["band"], half=True, columns=("sex", "age", "month")).min() >= module.WANTED_K


# --- exercise 9

def test_policies_of_another_make_are_right(editions):
    rules = module.ThePolicy.solution()
    shuffled = [*rules[7:], *rules[:7]]                        # out before in
    assert judged("ThePolicy", editions, shuffled).correct
    assert judged("ThePolicy", editions, json.dumps(rules)).correct
    assert judged("ThePolicy", editions, [{"then": "HOLD", "Direction": "Import", "patient": ["unclear"]},
                                          *[rule for rule in rules if rule.get("patient") != "unclear"]]).correct
    by_booleans = [{name: {"yes": True, "no": False}.get(value, value) if isinstance(value, str) else value for name, value in rule.items()}
                   for rule in rules]
    assert judged("ThePolicy", editions, by_booleans).correct
    positive = [{"direction": "import", "patient": "same", "twin": "none", "wanted": "yes", "burned_in": "no", "then": "import"},
                {"direction": "import", "patient": "other", "then": "refuse"},
                {"direction": "import", "patient": "same", "twin": "same", "then": "skip"},
                {"direction": "import", "patient": "same", "twin": "none", "wanted": "no", "then": "skip"},
                {"purpose": "care", "then": "send"}, {"consent": "no", "then": "refuse"},
                {"direction": "export", "face": "no", "burned_in": "no", "then": "deidentify"}]
    assert judged("ThePolicy", editions, positive).correct    # what is left is held


@pytest.mark.parametrize("rules, told", [
    ([{"direction": "import", "then": "send"}, *module.ThePolicy.solution()[7:]], "wrong direction"),
    ([*module.ThePolicy.solution()[:7], {"direction": "export", "then": "refuse"}], "refused or skipped"),
    ([*module.ThePolicy.solution()[:7], {"direction": "export", "then": "send"}], "everybody's names"),
    (module.ThePolicy.solution()[:6], "wait"), ([{"then": "import"}], "wrong direction"),
    ([{"direction": "import", "patient": "stranger", "then": "refuse"}], "same, unclear, other"),
    ([{"direction": "import"}], "no entry `then`"), ([{"weight": 3, "then": "hold"}], "no fact"), ([["import"]], "no dictionary"),
    ([{"direction": [], "then": "hold"}], "import, export")])
def test_policies_that_are_not_right(editions, rules, told):
    assert told in refused("ThePolicy", editions, rules).message


@pytest.mark.parametrize("place, told, untold", [
    (3, "are there already", "asked for"), (4, "nobody asked for", "already"), (7, "gets a pseudonym", "imported"),
    (0, "another patient's series", "nobody knows"), (9, "a face that can be rendered", "pixels"), (10, "something is written", "a face")])
def test_a_harm_says_what_happened_and_nothing_else(place, told, untold):
    rules = module.ThePolicy.solution()
    del rules[place]
    outcome = module.ThePolicy.trial(module.policy_of(rules), hospital(0, "tiny"))
    sentence = module.ThePolicy.faults(outcome)[0].partition(". The first is")[0]
    assert told in sentence and untold not in sentence


def test_the_card_and_the_rule_are_told(editions):
    rules = module.ThePolicy.solution()
    rules[3] = {"direction": "import", "twin": ["same", "none"], "then": "skip"}
    message = refused("ThePolicy", editions, rules).message
    assert "`patient` same" in message and "rule 4 is the first that fits" in message
    assert "none fits" in refused("ThePolicy", editions, module.ThePolicy.solution()[:6]).message


def test_a_policy_in_another_order_is_recognised(editions):
    """The number of the rule is no part of what came of a policy."""
    rules = module.ThePolicy.faces_forgotten()
    assert refused("ThePolicy", editions, [{"direction": "import", "patient": "other", "then": "refuse"}, *rules]).label == "faces_forgotten"


def test_every_wrong_decision_is_a_harm_of_some_sort():
    cards = lesson.input_of("cards", hospital(4, "tiny"))
    for card in cards:
        for decided in module.DECISIONS:
            if decided != module._proper(card):
                assert any(applies(module._proper(card), decided, card) for _, applies, _ in module.HARMS), (card, decided)


def test_replay_counts_what_a_policy_decides(editions):
    counted = given("replay", editions)(module.ThePolicy.solution())
    assert sum(counted.values()) == len(given("cards", editions)) and set(counted) == {*module.DECISIONS}


def test_inputs_are_made_fast_and_the_same_again():
    own = hospital(7, "tiny")
    assert module.disc(own) == module.disc(own)
    assert str(module.trial_images(own)) == str(module.trial_images(own))
    assert repr(EXERCISES["Reconcile"].cases(random.Random(3), module.foreign(own), module.local(own))) == repr(
        EXERCISES["Reconcile"].cases(random.Random(3), module.foreign(own), module.local(own)))
