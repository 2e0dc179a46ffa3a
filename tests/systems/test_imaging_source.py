"""XDS-I: manifests published, and images retrieved by them."""

import io
from pathlib import Path

import pytest
from lxml import etree
from pydicom import dcmread
from pydicom.dataset import Dataset

from coursekit.standards import xml
from coursekit.standards.xds import facts
from coursekit.standards.xds.facts import APPROVED
from coursekit.systems import document_sharing as sharing
from coursekit.systems.archive import Archive
from coursekit.systems.imaging_source import IHERAD, ImagingSource, NoStudy, retrieve_images
from coursekit.systems.registry import Registry
from coursekit.systems.repository import Repository
from tests.standards.test_xds_metadata import PATIENT, SCHEMAS
from tests.systems.conftest import ct
from tests.systems.test_archive import encoded, rejection_note

LOCATION, OWN = "2.999.100.40", "HV100001^^^&2.999.1.1&ISO"


@pytest.fixture
def domain():
    with Archive("HV_VNA") as archive, Registry() as registry, Repository(registry=registry.url) as repository, \
            ImagingSource(archive.store, LOCATION) as source:
        registry.know(PATIENT)
        for number in (1, 2, 3):
            archive.store.put(encoded(ct(number, TimezoneOffsetFromUTC="+0200")))
        yield archive, registry, repository, source


def manifests(registry):
    answer = sharing.query(registry.url, "FindDocuments", {"$XDSDocumentEntryPatientId": PATIENT, "$XDSDocumentEntryStatus": [APPROVED]})
    return answer.entries


def fetched(repository, entry):
    document, = sharing.retrieve(repository.url, [(entry["repositoryUniqueId"], entry["uniqueId"])]).documents
    return dcmread(io.BytesIO(document.octets))


def test_from_the_archive_to_the_region_and_back(domain):
    archive, registry, repository, source = domain
    assert source.publish("2.999.7", repository.url, PATIENT, OWN, "2.999.8.1", "20250407060000").status == facts.SUCCESS
    entry, = manifests(registry)
    assert entry["mimeType"] == "application/dicom" and entry["uniqueId"] == "2.999.8.1" and entry["formatCode"].code.endswith("88.59")
    assert [code.code for code in entry["eventCodeList"]] == ["CT"] and entry["sourcePatientId"] == OWN and entry["serviceStartTime"] == "20250407053000"
    assert entry["referenceIdList"] == ("A2504070001^^^&2.999.1.1&ISO^urn:ihe:iti:xds:2013:accession",
                                        "2.999.7^^^^urn:ihe:iti:xds:2016:studyInstanceUID")
    manifest = fetched(repository, entry)
    assert manifest.ConceptNameCodeSequence[0].CodeValue == "113030" and manifest.PatientID == "HV100001"
    series, = manifest.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    assert series.RetrieveLocationUID == LOCATION and series.RetrieveAETitle == "HV_VNA" and len(series.ReferencedSOPSequence) == 3
    listed = {item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for item in manifest.ContentSequence if item.ValueType == "IMAGE"}
    assert listed == {one.ReferencedSOPInstanceUID for one in series.ReferencedSOPSequence}
    answer = retrieve_images(source.url, manifest)
    assert answer.status == facts.SUCCESS and sorted(dcmread(io.BytesIO(one.octets)).InstanceNumber for one in answer.documents) == [1, 2, 3]


@pytest.mark.parametrize("uid", ["2.999.8.1", "1.2.826.0.1.3680043.8.498." + "3" * 38, "2.25." + "9" * 38])
def test_a_uid_of_64_characters_is_none_too_long(domain, uid):
    archive, registry, repository, source = domain
    assert source.publish("2.999.7", repository.url, PATIENT, OWN, uid, "20250407060000").status == facts.SUCCESS
    manifest = fetched(repository, manifests(registry)[0])
    assert manifest.SOPInstanceUID == uid == manifests(registry)[0]["uniqueId"] and max(len(uid), len(manifest.SeriesInstanceUID)) <= 64


def test_a_withdrawn_image_makes_a_manifest_stale(domain):
    archive, registry, repository, source = domain
    source.publish("2.999.7", repository.url, PATIENT, OWN, "2.999.8.1", "20250407060000")
    entry, = manifests(registry)
    archive.store.put(encoded(rejection_note("113001", "2.999.7.1.2")))
    stale = retrieve_images(source.url, fetched(repository, entry))
    assert stale.status == facts.PARTIAL and [one.code for one in stale.problems] == ["XDSDocumentUniqueIdError"] and len(stale.documents) == 2
    assert source.publish("2.999.7", repository.url, PATIENT, OWN, "2.999.8.2", "20250407070000", replaces=entry.id).status == facts.SUCCESS
    again, = manifests(registry)
    assert again["uniqueId"] == "2.999.8.2" and retrieve_images(source.url, fetched(repository, again)).status == facts.SUCCESS
    archive.store.put(encoded(rejection_note("113001", "2.999.7.1.1", "2.999.7.1.3")))
    with pytest.raises(NoStudy, match="withdrawn"):
        source.manifest("2.999.7", "2.999.8.3")


def test_key_images_of_a_radiologist_are_listed_and_are_no_event(domain):
    archive, registry, repository, source = domain
    flagged = rejection_note("113000", "2.999.7.1.2")               # (113000, DCM, "Of Interest"): it withdraws nothing
    flagged.SOPInstanceUID = flagged.file_meta.MediaStorageSOPInstanceUID = "2.999.7.9.2"
    archive.store.put(encoded(flagged))
    archive.store.put(encoded(rejection_note("113001", "2.999.7.1.3")))
    source.publish("2.999.7", repository.url, PATIENT, OWN, "2.999.8.1", "20250407060000")
    entry, = manifests(registry)
    manifest = fetched(repository, entry)
    listed = {str(one.ReferencedSOPInstanceUID) for series in manifest.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
              for one in series.ReferencedSOPSequence}
    assert listed == {"2.999.7.1.1", "2.999.7.1.2", str(flagged.SOPInstanceUID)}
    answer = retrieve_images(source.url, manifest)
    assert answer.status == facts.SUCCESS and len(answer.documents) == 3
    assert [code.code for code in entry["eventCodeList"]] == ["CT"]


@pytest.mark.parametrize("modality", ["SR", "PR", "KO", "SEG"])
def test_what_was_not_acquired_is_no_event(domain, modality):
    archive, registry, repository, source = domain
    archive.store.put(encoded(ct(4, Modality=modality, SeriesInstanceUID="2.999.7.9", SOPInstanceUID="2.999.7.9.1")))
    source.publish("2.999.7", repository.url, PATIENT, OWN, "2.999.8.1", "20250407060000")
    assert [code.code for code in manifests(registry)[0]["eventCodeList"]] == ["CT"]


@pytest.mark.parametrize("change, code", [
    (lambda manifest: setattr(series_of(manifest), "RetrieveLocationUID", "2.999.9"), "XDSUnknownRepositoryId"),
    (lambda manifest: setattr(series_of(manifest), "SeriesInstanceUID", "2.999.404"), "XDSDocumentUniqueIdError"),
    (lambda manifest: setattr(study_of(manifest), "StudyInstanceUID", "2.999.404"), "XDSDocumentUniqueIdError"),
    (lambda manifest: setattr(study_of(manifest), "StudyInstanceUID", ""), "XDSIRequestError"),
])
def test_wrong_requests(domain, change, code):
    *_, source = domain
    manifest = source.manifest("2.999.7", "2.999.8.1")
    change(manifest)
    answer = retrieve_images(source.url, manifest)
    assert answer.status == facts.FAILURE and {one.code for one in answer.problems} == {code} and not answer.documents


def study_of(manifest):
    return manifest.CurrentRequestedProcedureEvidenceSequence[0]


def series_of(manifest):
    return study_of(manifest).ReferencedSeriesSequence[0]


def test_transfer_syntaxes(domain):
    *_, source = domain
    manifest = source.manifest("2.999.7", "2.999.8.1")
    for syntaxes, status in (((), facts.FAILURE), (("1.2.840.10008.1.2.4.70",), facts.FAILURE), (("1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.1"), facts.SUCCESS)):
        assert retrieve_images(source.url, manifest, syntaxes).status == status


def test_a_time_of_unknown_zone_is_not_passed_off_as_utc(domain):
    archive, *_, source = domain
    archive.store.put(encoded(ct(1, "2.999.8")))
    manifest = source.manifest("2.999.8", "2.999.8.9")
    assert "serviceStartTime" not in source.entry(manifest, PATIENT, OWN, "20250407060000")


def test_nothing_to_publish(domain):
    _, _, repository, source = domain
    with pytest.raises(NoStudy):
        source.manifest("2.999.404", "2.999.8.1")
    manifest = source.manifest("2.999.7", "2.999.8.1")
    manifest.StudyInstanceUID = "2.999.404"
    with pytest.raises(NoStudy, match="2.999.404"):
        source.submit(manifest, repository.url, PATIENT, OWN, "20250407060000")


def test_a_manifest_that_somebody_mended_is_sent_as_it_is(domain):
    _, registry, repository, source = domain
    manifest = source.manifest("2.999.7", "2.999.8.1")
    series_of(manifest).ReferencedSOPSequence.pop()
    assert source.submit(manifest, repository.url, PATIENT, OWN, "20250407060000").status == facts.SUCCESS
    entry, = manifests(registry)
    assert entry["uniqueId"] == "2.999.8.1" and len(series_of(fetched(repository, entry)).ReferencedSOPSequence) == 2


def test_the_same_manifest_has_the_same_hash_everywhere(domain):
    _, registry, repository, source = domain
    source.publish("2.999.7", repository.url, PATIENT, OWN, "2.999.8.1", "20250407060000")
    assert manifests(registry)[0]["hash"] == "b474104263aa14b19e5d504484b3061714f349b4"


@pytest.mark.skipif(not SCHEMAS, reason="COURSEKIT_SCHEMAS names no folder with the published schemas")
def test_the_published_schema_agrees(domain):
    *_, source = domain
    answer = retrieve_images(source.url, source.manifest("2.999.7", "2.999.8.1"))
    schema = etree.XMLSchema(etree.parse(str(Path(SCHEMAS) / "xds" / "XDSI.b_ImagingDocumentSource.xsd")))
    schema.assertValid(xml.parse(xml.encode(answer.request.body)))
    assert answer.request.body.tag == f"{{{IHERAD}}}RetrieveImagingDocumentSetRequest" and isinstance(source.manifest("2.999.7", "2.9"), Dataset)
