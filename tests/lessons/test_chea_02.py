"""What learners give in lesson chea-02 beyond the solutions and wrong ways, and the data that they are asked about."""

import hashlib
import io
import json
import math
import time
from datetime import UTC, datetime, timedelta, timezone

import pandas
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import generate_uid

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.lessons import chea_02_private_hie as module
from coursekit.lessons.chea_02_private_hie import lesson
from coursekit.standards.key_objects import KO_STORAGE, MANIFEST, device, evidence, fill
from coursekit.standards.xds import facts
from coursekit.standards.xds.facts import APPROVED, DEPRECATED
from coursekit.standards.xds.metadata import Code
from coursekit.systems import document_sharing
from coursekit.systems.imaging_source import ACCESSION, DCM, DICOM_UIDS, STUDY, retrieve_images
from coursekit.systems.store import REJECTIONS
from coursekit.systems.system import running

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"), lambda: [hospital(201, "tiny")])


def solved(name, editions):
    return EXERCISES[name].computed(EXERCISES[name].solution, editions.own)


def judged(name, editions, *given):
    return EXERCISES[name].judge(given, editions)


def refused(name, editions, given, *words):
    verdict = judged(name, editions, given)
    assert verdict.outcome is Outcome.NOT_YET, repr(verdict)
    for word in words:
        assert word in verdict.message or word == verdict.label, repr(verdict)


# 1

def test_who_keeps_what_in_many_forms(editions):
    right = solved("WhatBelongsWhere", editions)
    systems = {"imaging source": "HV_VNA", "repository": "Document Repository", "registry": "NMH_REGISTRY", "index": "PIX Manager",
               "audit repository": "the audit trail"}
    for given in (
            {number: systems[actor] for number, actor in right.items()}, {number: actor.upper() for number, actor in right.items()},
            list(right.items()), pandas.Series(right), dict(reversed(right.items())),
            pandas.DataFrame({"thing": list(right), "actor": list(right.values())})):
        assert judged("WhatBelongsWhere", editions, given).correct, given


@pytest.mark.parametrize("seed", range(8))
def test_the_solution_agrees_with_who_keeps_what(seed):
    things = lesson.input_of("things", hospital(seed, "tiny"))
    assert EXERCISES["WhatBelongsWhere"].solution(things) == module._put(things) and len(things) == 10


def test_who_does_not_keep_it(editions):
    right, kinds = solved("WhatBelongsWhere", editions), {key: number for number, key in module._chosen(editions.own).items()}
    refused("WhatBelongsWhere", editions, {**right, kinds["pixels"]: "repository"}, f"`{kinds['pixels']}`")
    refused("WhatBelongsWhere", editions, {**right, kinds["manifest"]: "registry"}, f"`{kinds['manifest']}`")
    refused("WhatBelongsWhere", editions, {**right, kinds["hash"]: "repository"}, "attributes of the entry")
    refused("WhatBelongsWhere", editions, {**right, kinds["status"]: "repository"}, "availabilityStatus")
    refused("WhatBelongsWhere", editions, {**right, kinds["status"]: "index"}, "Follow somebody")
    refused("WhatBelongsWhere", editions, {**right, kinds["status"]: "HIS"}, "an actor is one of")
    refused("WhatBelongsWhere", editions, {number: "registry" for number in right})
    refused("WhatBelongsWhere", editions, dict(list(right.items())[1:]), next(iter(right)))


# 2

def consumer(registry, repositories, sources, patient, status=(APPROVED,), narrow=True, order=None):
    found = document_sharing.query(registry, "FindDocuments", {
        "$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": list(status)})
    for entry in found.entries:
        if narrow and entry["formatCode"].code != KO_STORAGE:
            continue
        place = order or entry["repositoryUniqueId"]
        fetched = document_sharing.retrieve(repositories[place], [(place, entry["uniqueId"])]).documents
        if fetched:
            yield dcmread(io.BytesIO(fetched[0].octets), force=True)


def test_other_consumers_that_get_the_images(editions):
    def by_python(registry, repositories, sources, patient):
        got = set()
        for manifest in consumer(registry, repositories, sources, patient):
            every = manifest.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
            for location in {one.RetrieveLocationUID for one in every}:
                answer = retrieve_images(sources[location], manifest)
                got |= {str(dcmread(io.BytesIO(one.octets)).SOPInstanceUID) for one in answer.documents}
        return got

    def asks_everybody(registry, repositories, sources, patient):
        found = document_sharing.query(registry, "GetAll", {
            "$patientId": patient, "$XDSDocumentEntryStatus": [APPROVED], "$XDSSubmissionSetStatus": [APPROVED],
            "$XDSFolderStatus": [APPROVED]})
        got = []
        for entry in found.entries:
            for oid, url in repositories.items():
                for document in document_sharing.retrieve(url, [(oid, entry.get("uniqueId", "0"))]).documents:
                    manifest = dcmread(io.BytesIO(document.octets), force=True)
                    if manifest.get("SOPClassUID") == KO_STORAGE:               # looked at, and not asked of the entry
                        for source in sources.values():
                            got += [one.unique_id for one in retrieve_images(source, manifest).documents] * 2
        return tuple(got)

    for function in (by_python, asks_everybody):
        assert judged("ImagesOf", editions, function).correct


def test_consumers_that_miss_something(editions):
    def one_source_for_all(registry, repositories, sources, patient):
        url = next(iter(sources.values()))
        return [one.unique_id for manifest in consumer(registry, repositories, sources, patient)
                for one in retrieve_images(url, manifest).documents]

    def one_repository_for_all(registry, repositories, sources, patient):
        got = []
        for manifest in consumer(registry, repositories, sources, patient, order=next(iter(repositories))):
            series = manifest.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
            got += [one.unique_id for one in retrieve_images(sources[series.RetrieveLocationUID], manifest).documents]
        return got

    def listed(registry, repositories, sources, patient):
        return [sop for manifest in consumer(registry, repositories, sources, patient) for sop in module._sops(manifest)]

    def returns_too_early(registry, repositories, sources, patient):
        got = []
        for manifest in consumer(registry, repositories, sources, patient):
            series = manifest.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
            got += [one.unique_id for one in retrieve_images(sources[series.RetrieveLocationUID], manifest).documents]
            return got
        return got

    def reports_read_as_dicom(registry, repositories, sources, patient):
        return [sop for manifest in consumer(registry, repositories, sources, patient, narrow=False)
                for sop in [manifest.CurrentRequestedProcedureEvidenceSequence[0].StudyInstanceUID]]

    def documents(registry, repositories, sources, patient):
        url = next(iter(sources.values()))
        return [retrieve_images(url, manifest).documents for manifest in consumer(registry, repositories, sources, patient)]

    def asked(narrow, status=(APPROVED,), repository="its own", source="its own", **keys):
        def images(registry, repositories, sources, patient):
            entries = document_sharing.query(registry, "FindDocuments", {
                "$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": list(status),
                **{f"$XDSDocumentEntry{name[0].upper()}{name[1:]}": value for name, value in keys.items()}}).entries
            got = []
            for entry in filter(narrow, entries):
                place = (entries[0] if repository == "first" else entry)["repositoryUniqueId"]
                for one in document_sharing.retrieve(repositories[place], [(place, entry["uniqueId"])]).documents:
                    manifest = dcmread(io.BytesIO(one.octets))
                    series = manifest.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
                    location = place[:-1] + "1" if source == "of the repository" else series.RetrieveLocationUID
                    got += [image.unique_id for image in retrieve_images(sources[location], manifest).documents]
            return got
        return images

    def is_manifest(entry):
        return entry["formatCode"].code == KO_STORAGE

    def without(**changes):
        """A consumer whose query the registry refuses."""
        def images(registry, repositories, sources, patient):
            keys = {"$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": [APPROVED], **changes}
            found = document_sharing.query(registry, "FindDocuments", {name: value for name, value in keys.items() if value})
            return [entry["uniqueId"] for entry in found.entries]
        return images

    def asks_badly_first(registry, repositories, sources, patient):
        without(**{"$XDSDocumentEntryStatus": None})(registry, repositories, sources, patient)
        return EXERCISES["ImagesOf"].solution(registry, repositories, sources, patient)

    def early(registry, repositories, sources, patient):
        for manifest in consumer(registry, repositories, sources, patient):
            return module._sops(manifest)

    def wrong_repository(registry, repositories, sources, patient):
        for entry in document_sharing.query(registry, "FindDocuments", {
                "$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": [APPROVED]}).entries:
            place = [oid for oid in repositories if oid != entry["repositoryUniqueId"]][0]
            dcmread(io.BytesIO(document_sharing.retrieve(repositories[place], [(place, entry["uniqueId"])]).documents[0].octets))

    assert judged("ImagesOf", editions, asked(is_manifest)).correct and judged("ImagesOf", editions, asks_badly_first).correct
    refused("ImagesOf", editions, without(**{"$XDSDocumentEntryStatus": None}), "noticed", "The registry refused your queries: Failure")
    refused("ImagesOf", editions, without(**{"$XDSDocumentEntryFormatCode": [KO_STORAGE]}), "noticed", "without its scheme")
    refused("ImagesOf", editions, early, "stand in a loop", "patient 5 of 5")
    refused("ImagesOf", editions, wrong_repository, "look at its `problems`", "images_of(registry, repositories, sources, patient)")
    refused("ImagesOf", editions, asked(is_manifest, (APPROVED, DEPRECATED)), "deprecated_fetched")
    refused("ImagesOf", editions, asked(lambda entry: entry["mimeType"] == "application/dicom"), "no_manifest", "formatCode")
    refused("ImagesOf", editions, asked(lambda entry: True), "no_manifest", "InvalidDicomError")
    refused("ImagesOf", editions, lambda *given: len(EXERCISES["ImagesOf"].solution(*given)), "not how many")
    refused("ImagesOf", editions, one_source_for_all, "our_source_only")
    refused("ImagesOf", editions, one_repository_for_all, "our_repository_only")
    refused("ImagesOf", editions, asked(is_manifest, eventCodeList=[Code("CT", DCM)]), "asked_for_less")
    refused("ImagesOf", editions, asked(is_manifest, serviceStartTimeFrom="20250330"), "asked_for_less")
    refused("ImagesOf", editions, asked(is_manifest, repository="first"), "first_repository_for_all")
    refused("ImagesOf", editions, asked(is_manifest, source="of the repository"), "source_of_the_repository")
    refused("ImagesOf", editions, listed, "listed")
    refused("ImagesOf", editions, returns_too_early, "first_manifest_only")
    assert "127.0.0.1" not in judged("ImagesOf", editions, wrong_repository).message
    refused("ImagesOf", editions, reports_read_as_dicom)
    refused("ImagesOf", editions, documents, "`unique_id`")
    refused("ImagesOf", editions, lambda *_: [])
    refused("ImagesOf", editions, lambda *_: print("no return"))


# 3

def entry_of(document, study, types, **changes):
    sign = -1 if study["offset"].startswith("-") else 1
    zone = timezone(sign * timedelta(hours=int(study["offset"][1:3]), minutes=int(study["offset"][3:])))
    moment = datetime.strptime(study["date"] + study["time"].split(".")[0], "%Y%m%d%H%M%S").replace(tzinfo=zone).astimezone(UTC)
    references = (f"{study['accession']}^^^&{study['accession issuer']}&ISO^{ACCESSION}",) if study["accession"] else ()
    return {
        "size": str(len(document)), "hash": hashlib.sha1(document).hexdigest().upper(), "serviceStartTime": f"{moment:%Y%m%d%H%M%S}",
        "sourcePatientId": f"{study['patient']}^^^&{study['issuer']}&ISO", "patientId": study["region patient"],
        "referenceIdList": (*references, f"{study['uid']}^^^^{STUDY}"),
        "eventCodeList": {f"{one}^^{DCM}" for one in study["modalities"] if one not in ("KO", "PR", "SR")},
        "typeCode": types[study["procedure"]] if study["procedure"] in types else "open", **changes}


def test_entries_written_in_another_way(editions):
    assert judged("Describe", editions, entry_of).correct
    assert judged("Describe", editions, lambda document, study, types: list(entry_of(document, study, types).items())).correct
    assert judged("Describe", editions, lambda document, study, types: pandas.Series(entry_of(document, study, types))).correct
    assert judged("Describe", editions, lambda document, study, types: {
        **entry_of(document, study, types), "eventCodeList": ", ".join(entry_of(document, study, types)["eventCodeList"])}).correct
    assert judged("Describe", editions, lambda document, study, types: entry_of(document, study, types, eventCodeList=[
        Code(one.split("^^")[0], DCM, "any") for one in entry_of(document, study, types)["eventCodeList"]])).correct
    assert judged("Describe", editions, lambda document, study, types: entry_of(document, study, types, eventCodeList=[
        (one.split("^^")[0], DCM) for one in entry_of(document, study, types)["eventCodeList"]])).correct
    for code in (tuple, lambda parts: Code(*parts, "any")):
        assert judged("Describe", editions, lambda document, study, types, code=code: entry_of(document, study, types, typeCode=(
            code(types[study["procedure"]].split("^^")) if study["procedure"] in types else "open"))).correct


def test_entries_that_are_wrong(editions):
    def changed(**changes):
        return lambda document, study, types: entry_of(document, study, types, **{
            name: change(document, study, types) for name, change in changes.items()})

    refused("Describe", editions, changed(hash=lambda document, *_: hashlib.sha1(document.hex().encode()).hexdigest()), "`hash`")
    refused("Describe", editions, changed(patientId=lambda _, study, __: study["patient"]), "`patientId`")
    refused("Describe", editions, changed(patientId=lambda _, study, __: module.cx(study["patient"], study["issuer"])), "local_as_patient")
    def start(document, study, types):
        return datetime.strptime(entry_of(document, study, types)["serviceStartTime"], "%Y%m%d%H%M%S")

    refused("Describe", editions, changed(sourcePatientId=lambda _, study, __: study["patient"]), "without its issuer")
    refused("Describe", editions, changed(sourcePatientId=lambda _, study, __: f"{study['patient']}^^^{study['issuer']}"),
            "not written as a CX")
    refused("Describe", editions, changed(sourcePatientId=lambda _, study, __: module.cx(study["patient"], "2.999.7")), "not its issuer")
    refused("Describe", editions, changed(serviceStartTime=lambda _, study, __: study["date"]), "`serviceStartTime`", "14 digits")
    refused("Describe", editions, changed(serviceStartTime=lambda *given: f"{start(*given):%Y%m%d%H%M%S}Z"), "14 digits")
    refused("Describe", editions, changed(serviceStartTime=lambda *given: f"{start(*given) - timedelta(hours=3):%Y%m%d%H%M%S}"),
            "180 minutes too early")
    refused("Describe", editions, changed(serviceStartTime=lambda _, study, __: (
        datetime.strptime(study["date"] + study["time"][:6], "%Y%m%d%H%M%S")
        + timedelta(hours=int(study["offset"][:3]))).strftime("%Y%m%d%H%M%S")), "minutes too late", "ahead")
    refused("Describe", editions, changed(typeCode=lambda _, study, types: types.get(study["procedure"], "CTHD^^99HV")), "has nothing")
    refused("Describe", editions, changed(typeCode=lambda _, study, types: types.get(study["procedure"])), 'the word "open"')
    refused("Describe", editions, changed(typeCode=lambda *_: "open"), "has a code for that procedure")
    refused("Describe", editions, changed(size=lambda document, *_: len(document.hex())), "size_of_the_hex")
    refused("Describe", editions, changed(
        eventCodeList=lambda _, study, __: [f"{one}^^{DCM}" for one in study["modalities"] if one != "KO"]), "reports_too")
    refused("Describe", editions, changed(eventCodeList=lambda _, study, __: [f"{one}^^{DCM}" for one in study["modalities"]]),
            "key_objects_too")
    refused("Describe", editions, changed(eventCodeList=lambda _, study, __: [f"{study['modalities'][0]}^^{DCM}"]), "first_modality")
    refused("Describe", editions, changed(eventCodeList=lambda _, study, __: [True]), "`eventCodeList`")
    refused("Describe", editions, changed(serviceStartTime=lambda _, study, __: study["date"] + study["time"][:6]), "local_time")
    refused("Describe", editions, changed(referenceIdList=lambda *_: []), "`referenceIdList`")
    refused("Describe", editions, changed(typeCode=lambda _, study, types: types.get(study["procedure"], "")), "typeCode")
    refused("Describe", editions, changed(typeCode=lambda _, study, types: types[study["procedure"]]), "KeyError")
    refused("Describe", editions, changed(eventCodeList=lambda _, study, __: study["modalities"]), "`eventCodeList`",
            "code, `^^` and scheme")
    refused("Describe", editions, changed(eventCodeList=lambda _, study, __: [f"{one}^any^{DCM}" for one in study["modalities"]]),
            "code, `^^` and scheme")
    refused("Describe", editions, changed(typeCode=lambda _, study, __: module.TYPES.get(study["procedure"], "open")), "is called with")
    refused("Describe", editions, changed(eventCodeList=lambda _, study, __: [
        f"{one}^^{DCM}" for one in study["modalities"] if one in ("CT", "MR", "PT", "DX", "CR")]), "`eventCodeList`")
    refused("Describe", editions, lambda document, study, types: entry_of(document, {**study, "issuer": module.OURS}, types),
            "own_oid_written_down")


# 4

def everything(domain, study, withdraws=lambda title: title.CodeValue in REJECTIONS):
    series, image = {}, None
    for one in domain.archive.store.kept(study=[study]):
        header = dcmread(one.path, stop_before_pixels=True)
        if not any(withdraws(title) for title in header.get("ConceptNameCodeSequence") or []):
            image = header
            series.setdefault(str(header.SeriesInstanceUID), []).append((str(header.SOPClassUID), str(header.SOPInstanceUID)))
    return series, image


def test_other_programs_that_mend_a_manifest(editions):
    def in_place(domain, manifest, patient, local):
        series, image = everything(domain, manifest.StudyInstanceUID)
        manifest.CurrentRequestedProcedureEvidenceSequence = [evidence(
            manifest.StudyInstanceUID, dict(reversed(series.items())), RetrieveAETitle=domain.source.title,
            RetrieveLocationUID=domain.source.unique_id)]
        content = [one for one in manifest.ContentSequence if one.ValueType not in ("IMAGE", "COMPOSITE")]
        for objects in series.values():
            for sop_class, sop in objects:
                item, reference = Dataset(), Dataset()
                item.RelationshipType, item.ValueType = "CONTAINS", "IMAGE"
                reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = sop_class, sop
                item.ReferencedSOPSequence = [reference]
                content.append(item)
        manifest.ContentSequence = content
        manifest.PatientName, manifest.PatientID, manifest.AccessionNumber = image.PatientName, image.PatientID, image.AccessionNumber
        return domain.source.submit(manifest, repository=domain.repository.url, patient=patient, source_patient=local, moment=module.NOW)

    def anew(domain, manifest, patient, local):
        series, image = everything(domain, manifest.StudyInstanceUID)
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
        made = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        for keyword in ("PatientName", "PatientID", "AccessionNumber", "StudyDate", "StudyTime", "StudyInstanceUID"):
            made[keyword] = image[keyword]
        made.SOPClassUID, made.SOPInstanceUID, made.SeriesInstanceUID = KO_STORAGE, "2.999.5.9.1", "2.999.5.9"
        fill(made, MANIFEST, device("HV_VNA", domain.source.unique_id), "mended by hand", made.StudyInstanceUID, series,
             RetrieveAETitle=domain.source.title, RetrieveLocationUID=domain.source.unique_id)
        domain.source.submit(made, domain.repository.url, patient, local, module.NOW)

    def refused_first(domain, manifest, patient, local):
        domain.source.submit(manifest, domain.repository.url, local, local, module.NOW)
        EXERCISES["PublishAgain"].solution(domain, manifest, patient, local)

    def with_a_new_uid(domain, manifest, patient, local):
        manifest.SOPInstanceUID = generate_uid()             # 64 characters
        EXERCISES["PublishAgain"].solution(domain, manifest, patient, local)

    for function in (in_place, anew, refused_first, with_a_new_uid):
        verdict = judged("PublishAgain", editions, function)
        assert verdict.correct, repr(verdict)


def test_manifests_that_are_not_mended(editions):
    right = EXERCISES["PublishAgain"].solution

    def twice(domain, manifest, patient, local):
        right(domain, manifest, patient, local)
        manifest.SOPInstanceUID = manifest.file_meta.MediaStorageSOPInstanceUID = f"{manifest.SOPInstanceUID}.2"
        domain.source.submit(manifest, domain.repository.url, patient, local, module.NOW)

    def rejection_title(domain, manifest, patient, local):
        series, image = everything(domain, manifest.StudyInstanceUID)
        manifest.PatientName, manifest.PatientID, manifest.AccessionNumber = image.PatientName, image.PatientID, image.AccessionNumber
        fill(manifest, ("113001", "Rejected for Quality Reasons"), device("HV_VNA", module.SOURCE), None, manifest.StudyInstanceUID, series,
             RetrieveAETitle="HV_VNA", RetrieveLocationUID=module.SOURCE)
        domain.source.submit(manifest, domain.repository.url, patient, local, module.NOW)

    def no_locations(domain, manifest, patient, local):
        series, image = everything(domain, manifest.StudyInstanceUID)
        manifest.PatientName, manifest.PatientID, manifest.AccessionNumber = image.PatientName, image.PatientID, image.AccessionNumber
        fill(manifest, MANIFEST, device("HV_VNA", module.SOURCE), None, manifest.StudyInstanceUID, series)
        domain.source.submit(manifest, domain.repository.url, patient, local, module.NOW)

    def planned_study(domain, manifest, patient, local):
        manifest.StudyInstanceUID = "2.999.200.7.25033017"
        right(domain, manifest, patient, local)

    def the_publisher(domain, manifest, patient, local):
        domain.source.publish(manifest.StudyInstanceUID, domain.repository.url, patient, local, "2.999.5.1", module.NOW)

    def no_key_objects(domain, manifest, patient, local):
        series, image = everything(domain, manifest.StudyInstanceUID)
        series = {uid: objects for uid, objects in series.items() if objects[0][0] != KO_STORAGE}
        manifest.PatientName, manifest.PatientID, manifest.AccessionNumber = image.PatientName, image.PatientID, image.AccessionNumber
        fill(manifest, MANIFEST, device("HV_VNA", module.SOURCE), None, manifest.StudyInstanceUID, series,
             RetrieveAETitle="HV_VNA", RetrieveLocationUID=module.SOURCE)
        domain.source.submit(manifest, domain.repository.url, patient, local, module.NOW)

    def one_series_for_all(domain, manifest, patient, local):
        series, image = everything(domain, manifest.StudyInstanceUID)
        manifest.PatientName, manifest.PatientID, manifest.AccessionNumber = image.PatientName, image.PatientID, image.AccessionNumber
        fill(manifest, MANIFEST, device("HV_VNA", module.SOURCE), None, manifest.StudyInstanceUID,
             {"2.999.5.77": [one for objects in series.values() for one in objects]}, RetrieveAETitle="HV_VNA",
             RetrieveLocationUID=module.SOURCE)
        domain.source.submit(manifest, domain.repository.url, patient, local, module.NOW)

    def id_of_the_region(domain, manifest, patient, local):
        right(domain, manifest, patient, local)
        manifest.SOPInstanceUID = manifest.file_meta.MediaStorageSOPInstanceUID = f"{manifest.SOPInstanceUID}.3"
        manifest.PatientID = patient
        old = document_sharing.query(domain.registry.url, "FindDocuments", {
            "$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": [APPROVED]}).entries[0].id
        domain.source.submit(manifest, domain.repository.url, patient, local, module.NOW, replaces=old)

    def no_dose_report(domain, manifest, patient, local):
        series, image = everything(domain, manifest.StudyInstanceUID)
        series = {uid: objects for uid, objects in series.items() if objects[0][0] != module.DOSE}
        manifest.PatientName, manifest.PatientID, manifest.AccessionNumber = image.PatientName, image.PatientID, image.AccessionNumber
        fill(manifest, MANIFEST, device("HV_VNA", module.SOURCE), None, manifest.StudyInstanceUID, series,
             RetrieveAETitle="HV_VNA", RetrieveLocationUID=module.SOURCE)
        domain.source.submit(manifest, domain.repository.url, patient, local, module.NOW)

    def by_title(withdraws):
        def publish_again(domain, manifest, patient, local):
            series, image = everything(domain, manifest.StudyInstanceUID, withdraws)
            manifest.PatientName, manifest.PatientID, manifest.AccessionNumber = image.PatientName, image.PatientID, image.AccessionNumber
            fill(manifest, MANIFEST, device("HV_VNA", module.SOURCE), None, manifest.StudyInstanceUID, series,
                 RetrieveAETitle=domain.source.title, RetrieveLocationUID=domain.source.unique_id)
            domain.source.submit(manifest, domain.repository.url, patient, local, module.NOW)
        return publish_again

    def with_a_new_uid_twice(domain, manifest, patient, local):
        for _ in range(2):
            manifest.SOPInstanceUID = generate_uid()
            right(domain, manifest, patient, local)

    def refused_by_the_repository(domain, manifest, patient, local):
        manifest.SOPInstanceUID = "2.999.x"
        right(domain, manifest, patient, local)

    def of_interest(title):
        return title.CodeValue != "113000"

    refused("PublishAgain", editions, by_title(of_interest), "no_key_objects")
    refused("PublishAgain", editions, lambda domain, manifest, patient, local: right(domain, manifest, "NM4^^^&2.999.1.9&ISO", local),
            "under another patient's number", "another_patient")
    for code in REJECTIONS:
        refused("PublishAgain", editions, by_title(lambda title, code=code: title.CodeValue == code), "one_title_only")
        refused("PublishAgain", editions, by_title(lambda title, code=code: title.CodeValue in REJECTIONS and title.CodeValue != code),
                "all_titles_but_one")
    refused("PublishAgain", editions, by_title(lambda title: "Reject" in str(title)), "titles_that_say_rejected")
    refused("PublishAgain", editions, with_a_new_uid_twice, "Documents of her that Eastcliff finds: 2 beside each other")
    refused("PublishAgain", editions, refused_by_the_repository, "and the answer was Failure: XDSRepositoryMetadataError")
    refused("PublishAgain", editions, no_dose_report, "what is missing: the dose report. ", "value")
    refused("PublishAgain", editions, no_key_objects, "no_key_objects", "what is missing: key images that were flagged")
    refused("PublishAgain", editions, one_series_for_all, "a_series_of_its_own")
    refused("PublishAgain", editions, id_of_the_region, "Patient ID in the manifest: `NM4", "not as in the images")
    refused("PublishAgain", editions, twice, "Documents of her that Eastcliff finds", "2")
    refused("PublishAgain", editions, rejection_title, "Title of the document")
    refused("PublishAgain", editions, no_locations, "Retrieve Location UID of its series: missing")
    refused("PublishAgain", editions, planned_study)
    refused("PublishAgain", editions, the_publisher, "switched off")
    refused("PublishAgain", editions, lambda domain, *rest: domain.source.submit(*rest), "stopped")


# 5

def test_other_programs_that_correct(editions):
    def by_reference(domain, repaired):
        for one in repaired:
            found = document_sharing.query(domain.registry.url, "FindDocumentsByReferenceId", {
                "$XDSDocumentEntryPatientId": one["patient"], "$XDSDocumentEntryStatus": [APPROVED],
                "$XDSDocumentEntryFormatCode": [Code(KO_STORAGE, DICOM_UIDS)],
                "$XDSDocumentEntryReferenceIdList": [f"{one['study']}^^^^{STUDY}"]}, leaves=False).ids
            manifest = domain.source.manifest(one["study"], one["uid"])
            domain.source.submit(manifest, domain.repository.url, one["patient"], one["local"], module.NOW, replaces=(found or [None])[0])
        return "done"

    def asks_for_both_and_sorts(domain, repaired):
        for one in repaired:
            entries = document_sharing.query(domain.registry.url, "FindDocuments", {
                "$XDSDocumentEntryPatientId": one["patient"], "$XDSDocumentEntryStatus": [APPROVED, DEPRECATED]}).entries
            old = [entry.id for entry in entries if entry["availabilityStatus"] == APPROVED and entry["formatCode"].code == KO_STORAGE
                   and one["study"] in [reference.split("^")[0] for reference in entry["referenceIdList"]]]
            domain.source.publish(one["study"], domain.repository.url, one["patient"], one["local"], one["uid"], module.NOW,
                                  old[0] if old else None)

    def tries_and_tries_again(domain, repaired):
        for one in repaired:
            domain.source.publish(one["study"], domain.repository.url, one["patient"], one["local"], f"{one['uid']}.1", module.NOW,
                                  replaces="urn:uuid:00000000-0000-4000-8000-000000000000")
        EXERCISES["Correct"].solution(domain, repaired)

    for function in (by_reference, asks_for_both_and_sorts, tries_and_tries_again):
        verdict = judged("Correct", editions, function)
        assert verdict.correct, repr(verdict)


def test_corrections_that_harm(editions):
    right = EXERCISES["Correct"].solution

    def twice(domain, repaired):
        right(domain, repaired)
        right(domain, [{**one, "uid": f"{one['uid']}.2"} for one in repaired])

    def first_of_the_list(domain, repaired):
        right(domain, repaired[:1])

    def local_as_patient(domain, repaired):
        right(domain, [{**one, "patient": one["local"]} for one in repaired])

    def appended(domain, repaired):
        for one in repaired:
            domain.source.publish(one["study"], domain.repository.url, one["patient"], one["local"], one["uid"], module.NOW,
                                  replaces=f"urn:uuid:{'0' * 8}-0000-4000-8000-{'0' * 12}")

    def by_status(*statuses, last=False, matches=None):
        def correct(domain, repaired):
            for one in repaired:
                found = document_sharing.query(domain.registry.url, "FindDocuments", {
                    "$XDSDocumentEntryPatientId": one["patient"], "$XDSDocumentEntryStatus": list(statuses)}).entries
                fits = [entry.id for entry in found if entry["formatCode"].code == KO_STORAGE
                        and any((matches or str.__eq__)(reference, f"{one['study']}^^^^{STUDY}") for reference in entry["referenceIdList"])]
                domain.source.publish(one["study"], domain.repository.url, one["patient"], one["local"], one["uid"], module.NOW,
                                      replaces=fits[-1 if last else 0] if fits else None)
        return correct

    assert judged("Correct", editions, by_status(APPROVED)).correct and judged("Correct", editions, by_status(APPROVED, last=True)).correct
    refused("Correct", editions, by_status(APPROVED, DEPRECATED), "any_status")
    refused("Correct", editions, by_status(APPROVED, DEPRECATED, last=True), "any_status")
    refused("Correct", editions, by_status(DEPRECATED), "deprecated_only")
    refused("Correct", editions, by_status(APPROVED, last=True, matches=lambda reference, study: reference.startswith(study.split("^")[0])),
            "are Approved: 1 of 2, Deprecated now is a manifest of another study. ", "part_of_the_uid")
    refused("Correct", editions, twice, "not the new one")
    refused("Correct", editions, first_of_the_list, "was replaced before: Approved manifests of it: 1, not the new one")
    refused("Correct", editions, local_as_patient, "XDSUnknownPatientId")
    refused("Correct", editions, appended, "UnresolvedReferenceException")
    refused("Correct", editions, lambda domain, repaired: repaired[0]["no such"], "KeyError")


# 6

def test_other_ways_to_find_the_stale(editions):
    def by_series(registry, repository, source, patient):
        found = {}
        entries = document_sharing.query(registry, "FindDocuments", {
            "$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": [APPROVED]}).entries
        for entry in entries:
            if entry["formatCode"].code != KO_STORAGE:
                continue
            fetched = document_sharing.retrieve(repository, [(module.REPOSITORY, entry["uniqueId"])])
            manifest = dcmread(io.BytesIO(fetched.documents[0].octets))
            codes = {problem.code for problem in retrieve_images(source, manifest).problems}
            found[entry["uniqueId"]] = "XDSDocumentUniqueIdError" in codes
        return found

    assert judged("Stale", editions, by_series).correct


def test_ways_that_do_not_find_the_stale(editions):
    def by_status(*statuses, also=(APPROVED,)):
        def find(registry, repository, source, patient):
            entries = document_sharing.query(registry, "FindDocuments", {
                "$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": list(also),
                "$XDSDocumentEntryFormatCode": [Code(KO_STORAGE, DICOM_UIDS)]}).entries
            fetched = {one["uniqueId"]: document_sharing.retrieve(repository, [(module.REPOSITORY, one["uniqueId"])]) for one in entries}
            return [uid for uid, answer in fetched.items()
                    if retrieve_images(source, dcmread(io.BytesIO(answer.documents[0].octets))).status in statuses]
        return find

    def by_problems(stale, narrow=lambda entry: entry["formatCode"].code == KO_STORAGE, name=lambda entry: entry["uniqueId"]):
        def find(registry, repository, source, patient):
            entries = document_sharing.query(registry, "FindDocuments", {
                "$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": [APPROVED]}).entries
            found = []
            for entry in filter(narrow, entries):
                octets = document_sharing.retrieve(repository, [(module.REPOSITORY, entry["uniqueId"])]).documents[0].octets
                if stale([problem.code for problem in retrieve_images(source, dcmread(io.BytesIO(octets))).problems]):
                    found.append(name(entry))
            return found
        return find

    def gone(codes):
        return "XDSDocumentUniqueIdError" in codes

    def to_the_list(keep):
        """As the solution, but what `keep` does with the list, an entry's uniqueId and its problems' codes."""
        def find(registry, repository, source, patient):
            found, seen = [], {}
            for entry in document_sharing.query(registry, "FindDocuments", {
                    "$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": [APPROVED],
                    "$XDSDocumentEntryFormatCode": [Code(KO_STORAGE, DICOM_UIDS)]}).entries:
                octets = document_sharing.retrieve(repository, [(module.REPOSITORY, entry["uniqueId"])]).documents[0].octets
                codes = [problem.code for problem in retrieve_images(source, dcmread(io.BytesIO(octets))).problems]
                keep(found, entry["uniqueId"], codes, seen)
            return found
        return find

    def once_for_each(found, uid, codes, seen):
        found += [uid for code in codes if code == "XDSDocumentUniqueIdError"]

    def never_reset(found, uid, codes, seen):
        seen["bad"] = seen.get("bad") or gone(codes)
        found += [uid] if seen["bad"] else []

    def first_alone(found, uid, codes, seen):
        found += [uid] if gone(codes) and not found else []

    assert judged("Stale", editions, by_problems(gone)).correct
    refused("Stale", editions, to_the_list(once_for_each), "more than once")
    refused("Stale", editions, to_the_list(never_reset), "never_reset")
    refused("Stale", editions, to_the_list(first_alone), "first_stale_only")
    refused("Stale", editions, by_problems(lambda codes: bool(codes) and codes[-1] == "XDSDocumentUniqueIdError"), "last_code_only")
    refused("Stale", editions, by_problems(lambda codes: "XDSDocumentUniqueIdError" in codes[:1] + codes[-1:]), "last_code_only")
    refused("Stale", editions, by_problems(lambda codes: codes.count("XDSDocumentUniqueIdError") > 1), "more_than_one")
    refused("Stale", editions, lambda *given: EXERCISES["Stale"].solution(*given) or None, "returned None")
    refused("Stale", editions, by_problems(gone, narrow=lambda entry: entry["formatCode"].code == KO_STORAGE
                                           and "MR" not in [one.code for one in entry.get("eventCodeList", ())]), "asked_for_less")
    refused("Stale", editions, by_problems(lambda codes: bool(codes) and codes[0] == "XDSDocumentUniqueIdError"), "one_code_only")
    refused("Stale", editions, by_problems(lambda codes: set(codes) == {"XDSDocumentUniqueIdError"}), "one_code_only")
    refused("Stale", editions, by_problems(bool), "any_problem")
    refused("Stale", editions, by_problems(gone, narrow=lambda entry: entry["mimeType"] == "application/dicom"), "no_manifest")
    refused("Stale", editions, by_problems(gone, name=lambda entry: entry.id), "entryUUID")
    refused("Stale", editions, lambda *given: len(EXERCISES["Stale"].solution(*given)), "not how many")
    refused("Stale", editions, by_status(facts.PARTIAL), "partial_only")
    refused("Stale", editions, by_status(facts.FAILURE), "failures_only")
    refused("Stale", editions, by_status(facts.FAILURE, facts.PARTIAL), "any_problem")
    refused("Stale", editions, by_status("PartialSuccess"), "nothing_found")
    refused("Stale", editions, by_status(facts.SUCCESS))
    refused("Stale", editions, lambda registry, repository, source, patient: [patient], "patients. For patient 1 it returned")

    def without_status(registry, repository, source, patient):
        return document_sharing.query(registry, "FindDocuments", {"$XDSDocumentEntryPatientId": patient}).ids

    refused("Stale", editions, without_status, "noticed", "refused your queries")


# 7

def test_availability_in_other_words(editions):
    def by_exponent(chain):
        import numpy
        return numpy.prod([1 - numpy.prod([1 - up / (up + repair) for up, repair in stage]) for stage in chain])

    def recursive(chain):
        if not chain:
            return 1.0
        down = 1.0
        for machine in chain[0]:
            down *= 1 - machine[0] / sum(machine)
        return (1 - down) * recursive(chain[1:])

    assert judged("Availability", editions, by_exponent).correct and judged("Availability", editions, recursive).correct
    refused("Availability", editions, lambda chain: 100 * recursive(chain))
    for digits in (3, 6, 8):
        refused("Availability", editions, lambda chain, digits=digits: round(recursive(chain), digits), "It is right, and rounded")
    refused("Availability", editions, lambda chain: recursive(chain) + 1e-4, "Close")
    refused("Availability", editions, lambda chain: math.prod(min(1, sum(up / (up + away) for up, away in stage)) for stage in chain),
            "not added up")
    refused("Availability", editions, lambda chain: recursive([stage[:2] for stage in chain]), "down when all 3 are")
    refused("Availability", editions, lambda chain: recursive([[stage[0]] * len(stage) for stage in chain]), "machines")
    refused("Availability", editions, lambda chain: recursive(chain[:4]))
    refused("Availability", editions, lambda chain: recursive(chain[:1]))
    refused("Availability", editions, lambda chain: recursive([[stage[0]] for stage in chain]), "first_machine_only")
    refused("Availability", editions, lambda chain: 1 - recursive(chain), "unavailability")


# 8

def test_designs_that_work(editions):
    right, brief = solved("Design", editions), lesson.input_of("brief", editions.own)
    everybody = ["HV_REGISTRY" if name == "NMH_REGISTRY" else name for name in right["time client"]]
    for given in (
            right, json.dumps(right), module._designed(brief), {**right, "registry": "nmh_registry"},
            {**right, "identity feed": ["NMH_INDEX", "NMH_REGISTRY"], "PIX consumer": [*right["PIX consumer"], "HIS"]},
            {**right, "registry": ["HV_REGISTRY"], "identity feed": ["HV_REGISTRY"], "time client": everybody,
             "secure node": tuple(everybody)},
            {**right, "oids": {**right["oids"], "ECC_REPOSITORY": "2.999.1.2.8.1", "ECC_VNA": "2.999.1.2.3"}},
            {**right, "home": "urn:oid:2.999.1.9.5", "images per request": 70.0},
            {**right, "entries": f"{math.ceil(right['entries']):,}", "queries per second": f"{right['queries per second']:.2f} per second",
             "images per request": "80"},
            {**right, "entries": f"{right['entries'] / 1e6:.2f} million", "queries per second": "5/s"},
            {**right, "entries": f"{math.ceil(right['entries'] / 1e3)}k entries", "queries per second": "5 queries per second"},
            {**right, "machines": list(right["machines"].items()), "oids": [list(one) for one in right["oids"].items()]},
            {**right, "time client": [*right["time client"], "ARR", "HIS"], "secure node": [*right["secure node"], "arr"]}):
        verdict = judged("Design", editions, given)
        assert verdict.correct, repr(verdict)


def test_designs_that_do_not(editions):
    right = solved("Design", editions)
    refused("Design", editions, lesson.input_of("draft", editions.own), "registries")
    refused("Design", editions, {**right, "oids": {**right["oids"], "HV_VNA": "2.999.1.1.071"}}, "HV_VNA is no OID")
    refused("Design", editions, {**right, "oids": {**right["oids"], "HV_VNA": "2.999.1.1.72"}}, "used twice")
    for oid, words in (("urn:oid:2.999.1.1.71", "bare OIDs"), ("2.999.1.1", "the arc itself"), ("2.999.7.1", "arc of another"),
                       ("2.999.1.2.5", "arc of another")):
        refused("Design", editions, {**right, "oids": {**right["oids"], "HV_VNA": oid}}, words, "HV_VNA")
    refused("Design", editions, {**right, "oids": {**right["oids"], "HV_VNA": "2.999.1.1." + "7" * 66}}, "64 characters")
    refused("Design", editions, {**right, "oids": {**right["oids"], "HV_VNA": "2.999.1.1.72", "HV_REPOSITORY": "2.999.1.1.71"}},
            "of the map")
    for name in ("ECC_VNA", "HV_REPOSITORY", "NMH_INDEX"):
        refused("Design", editions, {**right, "registry": [name], "identity feed": [name]}, f"{name} is no registry")
    for home, words in (("URN:OID:2.999.1.9", "small letters"), ("urn:oid:2.999.1.09", "no part with a zero"), ("2.999.1.9", "bare_home"),
                        ("urn:oid:2.999.1.1.72", "HV_REPOSITORY"), ("urn:oid:1.2.840.10008", "under Northmere"),
                        ("urn:oid:2.999.1.1", "under Northmere"), ("urn:oid:2.999.1.9.13", "vocabularies"),
                        ("urn:oid:2.999.1.9.14", "vocabularies"), ("urn:oid:2.999.1.9.14.1", "vocabularies"),
                        ("oid:2.999.1.9", "in front"), ("urn:oid:2.999.1.8", "neighbours_home")):
        refused("Design", editions, {**right, "home": home}, words)
    for images, words in ((100, "with 100 in a request they are there after"), (1, "one_by_one"),
                          (lesson.input_of("brief", editions.own)["images of the study"], "all_at_once"), (5000, "all_at_once"),
                          (50, "requests and")):
        refused("Design", editions, {**right, "images per request": images}, words)
    refused("Design", editions, {**right, "identity feed": ["NMH_REGISTRY", "HV_VNA"]}, "HV_VNA gets the identity feed too", "rule")
    refused("Design", editions, {**right, "time client": [one for one in right["time client"] if one != "NMH_INDEX"]}, "PIX Manager")
    refused("Design", editions, {**right, "time client": right["time client"][1:]}, "Consistent Time")
    refused("Design", editions, {**right, "registry": []}, "0 registries")
    refused("Design", editions, {**right, "machines": {**right["machines"], "VNA": 0}}, "machines of VNA")
    refused("Design", editions, {**right, "machines": dict.fromkeys(right["machines"], 1)}, "at a stretch", "fault")
    refused("Design", editions, {**right, "machines": {**right["machines"], "audit": 2}}, "These are 9 machines", "money for 8")
    refused("Design", editions, {**right, "machines": {**dict.fromkeys(right["machines"], 2), "audit": 1}}, "has to stay single")
    refused("Design", editions, {**right, "machines": {**right["machines"], "index": 3}}, "`machines of index` is 1 or 2")
    refused("Design", editions, {**right, "PIX consumer": right["time client"], "document consumer": right["time client"]},
            "everybody_asks")
    refused("Design", editions, {**right, "document consumer": [*right["document consumer"], "NMH_INDEX"]},
            "NMH_INDEX is on the list `document consumer`")
    refused("Design", editions, {**right, "PIX consumer": [*right["PIX consumer"], "HV_REPOSITORY"]}, "HV_REPOSITORY", "`PIX consumer`")
    refused("Design", editions, {**right, "entries": "3.2 thousand"}, "too few")
    refused("Design", editions, {**right, "entries": right["entries"] * 2}, "too many entries", "no reserve")
    refused("Design", editions, {**right, "queries per second": right["queries per second"] / 3}, "too few queries")
    refused("Design", editions, {**right, "images per request": 2.5}, "whole number")
    refused("Design", editions, {**right, "PIX consumer": ["HV_RIS"]}, "no system")
    refused("Design", editions, {**right, "entries": "many"}, "is a number")
    refused("Design", editions, {name: value for name, value in right.items() if name != "home"}, "`home` is missing")


@pytest.mark.parametrize("seed", range(6))
def test_each_brief_leaves_a_choice_and_has_a_catch(seed):
    own = hospital(seed, "tiny")
    brief = lesson.input_of("brief", own)
    design = module._designed(brief)
    assert sum(design["machines"].values()) == brief["machines"] and design["machines"]["audit"] == 1
    limits = brief["first images within (s)"], brief["whole study within (s)"]
    fits = [number for number in range(1, brief["images of the study"] + 1)
            if all(took <= limit for took, limit in zip(module._seconds(brief, number), limits, strict=True))]
    assert len(fits) > 15 and 80 in fits
    numbers = brief["MTBF, MTTR (h)"]
    worst = sorted(module.CHAIN, key=lambda name: module._stage(numbers[name]))
    assert numbers[worst[-1]][1] > brief["nothing in a look-up may be away at a stretch for more than (h)"]       # seldom, and long


# The data

def test_the_lesson_tells_the_story_that_the_hospital_has(editions):
    own = editions.own
    known = own.truth["case_17"]
    lines = lesson.input_of("morning", own)
    assert len(lines) == 2 and "XDSUnknownPatientId" in lines[0] and known["typed_id"] in lines[0] and "count=0 status=Success" in lines[1]
    assert lines[0].startswith("2025-03-30T05:40:12Z") and lines[1].startswith("2025-03-30T07:10:00Z")
    ct, manifest = lesson.input_of("ct", own), lesson.input_of("refused", own)
    assert {str(one.SOPInstanceUID) for one in ct} == set(module._sops(manifest)) and manifest.PatientID == known["typed_id"]
    assert {str(one.PatientID) for one in ct} == {known["patient_id"]} and {one.AccessionNumber for one in ct} == {known["accession"]}
    study = lesson.input_of("study", own)
    described = EXERCISES["Describe"].solution(b"", study, module.TYPES)
    assert described["serviceStartTime"] == known["first_image_utc"].replace("-", "").replace(":", "").replace(" ", "")
    assert not set(module.UNKNOWN) & set(module.TYPES)


def test_nothing_is_left_running(editions):
    before = set(running())
    for name in ("ImagesOf", "PublishAgain", "Correct", "Stale"):
        judged(name, editions, lambda *_: 1 / 0)
        assert judged(name, editions, lambda *_: time.sleep(0)).outcome is Outcome.NOT_YET
    assert set(running()) <= before
