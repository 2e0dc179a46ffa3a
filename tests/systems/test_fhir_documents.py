"""MHD before registry and repository: the same documents give the same answers as over XDS."""

import base64
import contextlib
import copy
import hashlib
import http.client
import json
import random
import shutil
import subprocess

import pytest
from ports import own_port

from coursekit.standards.xds import facts, mhd
from coursekit.standards.xds.facts import APPROVED, ASSOCIATION, DEPRECATED, DOCUMENT
from coursekit.standards.xds.metadata import Author, Code, Problem, association
from coursekit.systems import document_sharing as sharing
from coursekit.systems.certificates import Authority
from coursekit.systems.direct_sharing import DocumentRecipient
from coursekit.systems.fhir_documents import FhirDocuments
from coursekit.systems.mhd_caller import ask, bundle, mhd_find, mhd_lists, mhd_provide, mhd_retrieve
from coursekit.systems.registry import Registry
from coursekit.systems.repository import Repository
from coursekit.systems.web import Caller, NoAnswer
from tests.standards.test_xds_metadata import PATIENT, document, folder, submission

OTHER = "NM100018^^^&2.999.1.9&ISO"
WHO = {"patient.identifier": "urn:oid:2.999.1.9|NM100017", "status": "current"}
BOTH = {**WHO, "status": "current,superseded"}


class Domain:
    """Registry, repository and the FHIR side of them."""

    def __init__(self, registry, repository, fhir):
        self.registry, self.repository, self.fhir, self.url = registry, repository, fhir, fhir.url


@contextlib.contextmanager
def running():
    with Registry(port=own_port()) as registry, Repository(registry=registry.url, port=own_port()) as repository, \
            FhirDocuments(registry.url, repository.url, patients="http://127.0.0.1/patients", port=own_port()) as fhir:
        registry.know(PATIENT, OTHER)
        yield Domain(registry, repository, fhir)


@pytest.fixture
def domain():
    with running() as domain:
        yield domain


@pytest.fixture(scope="module")
def empty():
    """A domain that nothing gets into."""
    with running() as domain:
        yield domain


@pytest.fixture(scope="module")
def two():
    """A domain with two documents, to be searched."""
    with running() as domain:
        provide(domain, 1)
        provide(domain, 2, classCode=Code("REPORT", "2.999.1.9.11"),
            eventCodeList=(Code("CT", "1.2.840.10008.2.16.4"), Code("HEAD", "2.999")),
                serviceStartTime="20250407", creationTime="20250407060000", author=(Author("1012^O'BRIEN^MAEVE"),), referenceIdList=(
                    "A2^^^&2.999.1.1&ISO^urn:ihe:iti:xds:2013:accession", "2.999.8.1^^^^urn:ihe:iti:xds:2016:studyInstanceUID"))
        yield domain


def provide(domain, number, octets=b"\0\xffdocument", links=(), **more):
    entries = [*submission(number, document(number, **more), patient=more.get("patient", PATIENT)), *links]
    return mhd_provide(domain.url, entries, {f"Document{number:02}": octets})


def xds(domain, **asked):
    """The entries that FindDocuments finds over SOAP."""
    asked = {"PatientId": PATIENT, "Status": [APPROVED, DEPRECATED], **asked}
    answer = sharing.query(domain.registry.url, "FindDocuments", {f"$XDSDocumentEntry{name}": value for name, value in asked.items()})
    assert answer.status == facts.SUCCESS
    return answer.entries


def found(domain, search):
    answer = mhd_find(domain.url, search)
    assert answer.status == 200, answer.problems
    return sorted(one["masterIdentifier"]["value"].removeprefix("urn:oid:") for one in answer.resources)


def codes(answer):
    return answer.status, [problem.code for problem in answer.problems]


def test_what_was_provided_is_found_and_retrieved(domain):
    answer = provide(domain, 1)
    assert answer.status == 200 and answer.resource["type"] == "transaction-response"
    assert [one.partition("/")[0] for one in answer.locations] == ["DocumentReference", "Binary", "List"]
    assert {one["response"]["status"] for one in answer.resource["entry"]} == {"201 Created"}
    entry, = xds(domain)
    assert entry["repositoryUniqueId"] == domain.repository.unique_id and entry["hash"] == hashlib.sha1(b"\0\xffdocument").hexdigest()
    assert answer.locations[0] == f"DocumentReference/{entry.id.removeprefix('urn:uuid:')}"
    resource, = mhd_find(domain.url, WHO).resources
    assert resource["content"][0]["attachment"]["url"] == f"{domain.url}/{answer.locations[1]}"
    assert resource["subject"]["reference"] == "http://127.0.0.1/patients/Patient/2.999.1.9.NM100017"
    fetched = mhd_retrieve(resource["content"][0]["attachment"]["url"])
    assert (fetched.status, fetched.media_type, fetched.octets) == (200, "application/dicom", b"\0\xffdocument")
    assert ask(f"{domain.url}/{answer.locations[0]}").resource == resource
    assert [event.what for event in domain.registry.journal][:2] == ["ITI-42", "ITI-42 response"]


def test_what_came_over_xds_is_found(domain):
    assert sharing.provide(domain.repository.url, submission(1, document(1)), {"Document01": b"x"}).status == facts.SUCCESS
    answer = mhd_find(domain.url, WHO)
    assert answer.entries == [entry.copy(repositoryUniqueId=None) for entry in xds(domain)]
    assert mhd_retrieve(answer.resources[0]["content"][0]["attachment"]["url"]).octets == b"x"


@pytest.mark.parametrize("search, numbers", [
    ({}, [1, 2]), ({"type": "http://loinc.org|18748-4"}, [1, 2]), ({"type": "urn:oid:2.16.840.1.113883.6.1|18748-4"}, [1, 2]),
    ({"type": "http://loinc.org|1"}, []), ({"category": "urn:oid:2.999.1.9.11|REPORT"}, [2]),
    ({"category": "urn:oid:2.999.1.9.11|REPORT,urn:oid:2.999.1.9.11|IMAGES"}, [1, 2]), ({"setting": "urn:oid:2.999.1.9.12|RAD"}, [1, 2]),
    ({"facility": "urn:oid:2.999.1.9.13|X"}, []), ({"event": ["urn:oid:1.2.840.10008.2.16.4|CT", "urn:oid:2.999|HEAD"]}, [2]),
    ({"event": "http://dicom.nema.org/resources/ontology/DCM|CT"}, [1, 2]),
    ({"security-label": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality|N"}, [1, 2]),
    ({"format": "http://dicom.nema.org/resources/ontology/DCMUID|1.2.840.10008.5.1.4.1.1.88.59"}, [1, 2]),
    ({"creation": "ge2025-04"}, [2]), ({"date": "lt2025-04"}, [1]), ({"creation": "2025-03-30"}, [1]),
    ({"creation": "gt2025-03-29"}, [1, 2]), ({"creation": "gt2025-03-30"}, [2]), ({"creation": ["ge2024", "ge2025-04", "ge2023"]}, [2]),
    ({"creation": ["lt2027", "lt2025-04", "lt2028"]}, [1]),
    ({"creation": ["ge2025-03-30T01:45:00Z", "lt2025-03-30T03:45:01+02:00"]}, [1]), ({"creation": "le2025-03-30"}, [1]),
    ({"creation": "eb2025-03-30"}, []), ({"creation": "sa2025-03-30"}, [2]), ({"creation": "2025"}, [1, 2]),
    ({"period": "ge2025-03-31"}, [2]), ({"period": "lt2025-03-31"}, [1]),
    ({"author.family": "O'BRIEN"}, [2]), ({"author.given": "JOR"}, [1]), ({"author.family": "JORIS"}, []),
    ({"author.family": "TER", "author.given": "J"}, [1]), ({"author.family": "TER", "author.given": "M"}, []),
    ({"related": "urn:oid:2.999.1.1|A2"}, [2]), ({"related:identifier": "A2"}, [2]), ({"related": "urn:oid:2.999.1.9|A2"}, []),
    ({"related": "A_"}, []), ({"related": "urn:ietf:rfc:3986|urn:oid:2.999.8.1"}, [2]),
    ({"identifier": "urn:oid:2.999.5.2"}, [2]), ({"identifier": "urn:ietf:rfc:3986|urn:oid:2.999.5.2"}, [2]),
    ({"identifier": "x|urn:oid:2.999.5.2"}, []),
    ({"status": "superseded"}, []), ({"status": "current,superseded"}, [1, 2]), ({"shoe": "42", "_count": "1"}, [1, 2]),
    ({"patient.identifier": "urn:oid:2.999.1.9|NM100018"}, []), ({"patient.identifier": "urn:oid:2.999.1.9|NM7"}, []),
])
def test_conditions(two, search, numbers):
    assert found(two, {**WHO, **search}) == [f"2.999.5.{number}" for number in numbers]


def test_a_patient_by_reference(two):
    for reference in ("Patient/2.999.1.9.NM100017", "http://127.0.0.1/patients/Patient/2.999.1.9.NM100017", "2.999.1.9.NM100017"):
        assert found(two, {"patient": reference, "status": "current"}) == ["2.999.5.1", "2.999.5.2"]


@pytest.mark.parametrize("search, code", [
    ({"status": "current"}, "required"), ({"patient.identifier": "urn:oid:2.999.1.9|NM100017"}, "required"), ({}, "required"),
    ({**WHO, "status": "entered-in-error"}, "invalid"), ({**WHO, "patient.identifier": "NM100017"}, "invalid"),
    ({**WHO, "patient": "Patient/17"}, "invalid"),
    ({**WHO, "type": "18748-4"}, "invalid"), ({**WHO, "creation": "yesterday"}, "invalid"), ({**WHO, "creation": "ne2025"}, "invalid"),
    ({**WHO, "creation": "ge2025,ge2026"}, "invalid"), ({**WHO, "type:not": "a|b"}, "invalid"),
    ({**WHO, "author.family": "A,B"}, "invalid"), ({**WHO, "author.family": ["A", "B"]}, "invalid"),
    ({**WHO, "type": ["a|b", "c|d"]}, "XDSStoredQueryParamNumber"),
    ({**WHO, "patient.identifier": "urn:oid:2.999.1.9|NM100017,urn:oid:2.999.1.9|NM100018"}, "XDSStoredQueryParamNumber"),
])
def test_searches_that_are_refused(two, search, code):
    assert codes(mhd_find(two.url, search)) == (400, [code])


def test_a_replacement(domain):
    provide(domain, 1)
    old = xds(domain)[0].id
    target, replacement = f"DocumentReference/{old.removeprefix('urn:uuid:')}", association(facts.RPLC, "Document02", old)
    sent = bundle([*submission(2, document(2)), replacement], {"Document02": b"x"})
    assert [one["target"]["reference"] for one in mhd.elements(sent, "entry.resource.relatesTo")] == [target]
    answer = provide(domain, 2, links=[replacement])
    assert [one["response"]["status"] for one in answer.resource["entry"]] == ["201 Created", "200 OK", "201 Created", "201 Created"]
    assert found(domain, WHO) == ["2.999.5.2"] and found(domain, {**WHO, "status": "superseded"}) == ["2.999.5.1"]
    new, = mhd_find(domain.url, WHO).resources
    assert new["relatesTo"] == [{"code": "replaces", "target": {"reference": target}}]
    assert ask(f"{domain.url}/{target}").resource["status"] == "superseded"
    again = provide(domain, 3, links=[association(facts.RPLC, "Document03", old)])
    assert codes(again) == (422, ["XDSRegistryDeprecatedDocumentError"]) and len(found(domain, BOTH)) == 2
    without = bundle([*submission(4, document(4)), association(facts.RPLC, "Document04", xds(domain, Status=[APPROVED])[0].id)],
        {"Document04": b"x"})
    without["entry"] = [one for one in without["entry"] if one["request"]["method"] == "POST"]       # as before MHD 4.2
    assert ask(domain.url, "POST", json.dumps(without).encode()).status == 200 and found(domain, WHO) == ["2.999.5.4"]


def test_relations_within_a_bundle(domain):
    one, two = document(1), document(2)
    links = [association(kind, "Document02", "Document01") for kind in (facts.APND, facts.SIGNS)]
    assert mhd_provide(domain.url, [*submission(1, one, two), *links], {"Document01": b"1", "Document02": b"2"}).status == 200
    assert sorted(relation["code"] for resource in mhd_find(domain.url, WHO).resources for relation in resource.get("relatesTo", ())) == [
        "appends", "signs"]


def test_a_recipient_behind():
    """MHD may end in XDR as well as in XDS; what the other side warns of comes back with the set."""
    with DocumentRecipient() as recipient, FhirDocuments("http://127.0.0.1:9/", recipient.url) as fhir:
        sent = [one.copy(availabilityStatus=None if one.kind == ASSOCIATION else APPROVED) for one in submission(1, document(1), folder(1))]
        answer = mhd_provide(fhir.url, sent, {"Document01": b"x"})
        assert answer.status == 200 and answer.problems == [
            Problem("PartialFolderContentNotProcessed", "Folders are kept with the submission, and not processed.", True)]
        outcomes = [one["response"].get("outcome", {}).get("resourceType") for one in answer.resource["entry"]]
        assert outcomes == [*[None] * 3, "OperationOutcome"]
        assert recipient.document("2.999.6.1", "2.999.5.1") == b"x"
        assert not any("availabilityStatus" in one for one in recipient.entries("2.999.6.1"))


def test_lists(domain):
    member = association(facts.HAS_MEMBER, "Folder01", "Document01")
    entries = [*submission(1, document(1), folder(1)), member, association(facts.HAS_MEMBER, "Set01", member.id)]
    answer = mhd_provide(domain.url, entries, {"Document01": b"x"})
    assert answer.status == 200
    reference, _, folder_list, set_list = answer.locations
    sets = mhd_lists(domain.url, {**WHO, "code": f"{mhd.LIST_TYPES}|submissionset"})
    assert [one["item"]["reference"] for one in sets.resources[0]["entry"]] == [reference, folder_list] and len(sets.resources) == 1
    folders = mhd_lists(domain.url, {**WHO, "code": "folder", "designationType": "urn:oid:2.999.1.9.15|STROKE"})
    assert [one["item"]["reference"] for one in folders.resources[0]["entry"]] == [reference]
    assert ask(f"{domain.url}/{set_list}").resource == sets.resources[0]
    assert ask(f"{domain.url}/{folder_list}").resource == folders.resources[0]
    kinds = sharing.query(domain.registry.url, "GetFolderAndContents", {"$XDSFolderUniqueId": "2.999.7.1"}).entries
    assert sorted(one.kind for one in kinds) == ["Association", "DocumentEntry", "Folder"]
    held = sharing.query(domain.registry.url, "GetSubmissionSetAndContents", {"$XDSSubmissionSetUniqueId": "2.999.6.1"}).entries
    links = {one.id: one for one in held if one.kind == ASSOCIATION}
    assert len([one for one in links.values() if one["target"] in links]) == 1      # the folder's member, as a member of the set
    for search, count in (({"sourceId": "urn:oid:2.999.3"}, 1), ({"sourceId": "urn:oid:2.999.4"}, 0), ({"date": "ge2025-03-31"}, 0),
                          ({"date": "2025-03-30"}, 1), ({"source.family": "X"}, 0), ({"designationType": "urn:oid:2.999.1.9.11|IMAGES"}, 1),
                          ({"identifier": "urn:oid:2.999.6.1"}, 1), ({"identifier": "urn:oid:2.999.6.2"}, 0)):
        assert mhd_lists(domain.url, {**WHO, "code": "submissionset", **search}).resource["total"] == count, search
    assert codes(mhd_lists(domain.url, WHO)) == (400, ["required"])
    assert "entry" not in mhd_lists(domain.url, {**WHO, "code": "submissionset", "status": "retired"}).resource
    by_reference = bundle(submission(2, document(2)), {"Document02": b"y"})
    by_reference["entry"][-1]["resource"]["entry"].append({"item": {"reference": f"{domain.url}/{reference}"}})
    assert ask(domain.url, "POST", json.dumps(by_reference).encode()).status == 200
    assert len(mhd_lists(domain.url, {**WHO, "code": "submissionset", "identifier": "urn:oid:2.999.6.2"}).resources[0]["entry"]) == 2


@pytest.mark.parametrize("more, code", [
    ({"hash": "0" * 40}, "XDSRepositoryMetadataError"), ({"size": "3"}, "XDSRepositoryMetadataError"),
    ({"languageCode": ""}, "XDSRepositoryMetadataError"),
    ({"uniqueId": "urn:x"}, "XDSRepositoryMetadataError"), ({"patient": "NM9^^^&2.999.1.9&ISO"}, "XDSUnknownPatientId"),
])
def test_what_xds_refuses_is_refused_with_its_code(empty, more, code):
    changed = {name: value for name, value in more.items() if value}
    entries = [entry.copy(**{name: None for name, value in more.items() if not value}) if entry.kind == DOCUMENT else entry
               for entry in submission(1, document(1, **changed), patient=more.get("patient", PATIENT))]
    assert codes(mhd_provide(empty.url, entries, {"Document01": b"x"})) == (422, [code])
    assert xds(empty) == [] and sharing.retrieve(empty.repository.url, [(empty.repository.unique_id, "2.999.5.1")]).status == facts.FAILURE


def changed(change):
    """A bundle of one document, changed: its DocumentReference, Binary and List are given."""
    made = copy.deepcopy(bundle(submission(1, document(1)), {"Document01": b"x"}))
    change(made, *(entry["resource"] for entry in made["entry"]))
    return made


def remove(place):
    return lambda made, *_: made["entry"].pop(place)


@pytest.mark.parametrize("change, status, code", [
    (lambda made, *_: made.update(type="batch"), 400, "structure"), (lambda made, *_: made.update(entry=[1]), 400, "invalid"),
    (lambda made, *_: made.update(entry=[]), 422, "invariant"), (remove(2), 422, "invariant"), (remove(1), 422, "XDSMissingDocument"),
    (remove(0), 422, "XDSMissingDocumentMetadata"), (lambda made, *_: made["entry"][0].pop("request"), 400, "invalid"),
    (lambda made, *_: made["entry"][2]["request"].update(method="PUT"), 422, "not-supported"),
    (lambda made, document, *_: document["content"][0]["attachment"].update(url="http://127.0.0.1/x"), 422, "XDSMissingDocument"),
    (lambda made, document, *_: document["content"].append({}), 422, "invariant"),
    (lambda made, document, *_: document.update(relatesTo=[{"code": "replaces", "target": {"reference": "DocumentReference/1"}}]), 400,
        "invalid"),
    (lambda made, document, *_: document.update(relatesTo=[{"code": "amends"}]), 400, "invalid"),
    (lambda made, document, *_: document.update(relatesTo=[{"code": "appends", "target": {
        "reference": "DocumentReference/11111111-2222-4333-8444-555555555555"}}]), 422, "UnresolvedReferenceException"),
    (lambda made, document, *_: document.update(description="\0"), 400, "invalid"),
    (lambda made, document, binary, _: binary.update(data="%%%"), 400, "invalid"),
    (lambda made, document, binary, _: binary.update(data=5), 400, "invalid"),
    (lambda made, document, binary, _: binary.update(contentType="text/plain"), 422, "XDSRepositoryMetadataError"),
    (lambda made, document, binary, _: binary.update(resourceType="Bundle"), 422, "FHIRDocumentNotSupported"),
    (lambda made, document, binary, _: binary.update(resourceType="Observation"), 422, "not-supported"),
    (lambda made, document, binary, held: held.update(entry=[]), 422, "XDSRepositoryMetadataError"),
    (lambda made, document, binary, held: held.update(entry=[{"item": {"reference": "List/x"}}]), 400, "invalid"),
    (lambda made, document, binary, held: held["subject"]["identifier"].update(value="NM100018"), 422, "XDSPatientIdDoesNotMatch"),
    (lambda made, document, binary, held: made["entry"].append({"fullUrl": "urn:uuid:0", "resource": {"resourceType": "Parameters"},
        "request": {
        "method": "PATCH", "url": "DocumentReference/11111111-2222-4333-8444-555555555555"}}), 422, "business-rule"),
])
def test_bundles_that_are_refused(empty, change, status, code):
    answer = ask(empty.url, "POST", json.dumps(changed(change)).encode())
    assert (answer.status, answer.problems[0].code) == (status, code) and answer.resource["resourceType"] == "OperationOutcome"
    assert xds(empty) == []


def test_a_patient_in_the_bundle(domain):
    def refer(made, document, binary, held):
        made["entry"].append({"fullUrl": "urn:uuid:9", "request": {"method": "GET", "url": "Patient?identifier=x"}, "resource": {
            "resourceType": "Patient", "identifier": [{"system": "urn:oid:2.999.1.9", "value": "NM100018"}]}})
        document["subject"] = held["subject"] = {"reference": "urn:uuid:9"}

    answer = ask(domain.url, "POST", json.dumps(changed(refer)).encode())
    assert answer.resource["entry"][-1] == {"response": {"status": "200 OK", "location": "Patient?identifier=x"}}
    assert [entry["uniqueId"] for entry in xds(domain, PatientId=OTHER)] == ["2.999.5.1"]


def test_documents_that_can_not_be_retrieved(domain):
    provide(domain, 1, mimeType="text/plain")
    url, = mhd.elements(mhd_find(domain.url, WHO).resource, "entry.resource.content.attachment.url")
    for accept, status in (("text/plain", 200), ("text/*;q=0.5", 200), ("application/json, */*", 200), ("application/pdf", 406)):
        assert mhd_retrieve(url, accept).status == status
    assert codes(mhd_retrieve(f"{domain.url}/Binary/11111111-2222-4333-8444-555555555555")) == (404, ["not-found"])
    assert mhd_retrieve(f"{domain.url}/Binary/'").status == 404
    sharing.register(domain.registry.url, submission(2, document(2, hash="0" * 40, size="1", repositoryUniqueId="2.999.1.1.72")))
    sharing.register(domain.registry.url, submission(3, document(3, hash="0" * 40, size="1", repositoryUniqueId="2.999.1.1.73")))
    gone, elsewhere = (f"{domain.url}/Binary/{entry.id.removeprefix('urn:uuid:')}" for entry in xds(domain)[1:])
    assert codes(mhd_retrieve(gone)) == (410, ["XDSDocumentUniqueIdError"])
    assert codes(mhd_retrieve(elsewhere)) == (410, ["XDSUnknownRepositoryId"])
    with Repository(unique_id="2.999.1.1.73", registry=domain.registry.url) as other:
        domain.fhir.repositories[other.unique_id] = other.url
        sharing.provide(other.url, submission(4, document(4)), {"Document04": b"there"})
        assert mhd_retrieve(f"{domain.url}/Binary/{xds(domain)[3].id.removeprefix('urn:uuid:')}").octets == b"there"


def test_nobody_behind(domain):
    provide(domain, 1)
    domain.repository.stop()
    url, = mhd.elements(mhd_find(domain.url, WHO).resource, "entry.resource.content.attachment.url")
    assert codes(mhd_retrieve(url)) == codes(provide(domain, 2)) == (503, ["XDSRegistryNotAvailable"])
    domain.registry.stop()
    assert codes(mhd_find(domain.url, WHO)) == (503, ["XDSRegistryNotAvailable"])
    domain.fhir.stop()
    with pytest.raises(NoAnswer, match="does not answer"):
        mhd_find(domain.url, WHO)


@pytest.mark.parametrize("method, path, body, headers, status", [
    ("GET", "", None, {}, 404), ("PUT", "/List", b"", {}, 404), ("DELETE", "/DocumentReference/1", None, {}, 404),
    ("GET", "/Patient", None, {}, 404),
    ("GET", "/List/1", None, {}, 404), ("POST", "", b"{", {"Content-Type": "application/fhir+json"}, 400),
    ("POST", "", b"null", {"Content-Type": "application/fhir+json"}, 400),
    ("POST", "", b"[" * 100_000, {"Content-Type": "application/json"}, 400),
    ("POST", "", b"\xff\xfe{", {"Content-Type": "application/json"}, 400),
    ("POST", "", b"<Bundle/>", {"Content-Type": "application/fhir+xml"}, 415),
    ("GET", "/metadata", None, {"Accept": "application/fhir+xml"}, 406), ("GET", "/metadata?_format=xml", None, {}, 406),
    ("GET", "/metadata", None, {"Accept": "application/fhir+xml;q=1.0, application/fhir+json;q=0.9"}, 200),
])
def test_whatever_comes_gets_an_outcome(empty, method, path, body, headers, status):
    connection = http.client.HTTPConnection("127.0.0.1", empty.fhir.port, timeout=10)
    connection.request(method, f"/fhir{path}", body, headers)
    response = connection.getresponse()
    resource = json.loads(response.read())
    connection.close()
    assert response.status == status and resource["resourceType"] == ("CapabilityStatement" if status == 200 else "OperationOutcome")


def test_broken_bundles_are_survived(domain):
    """What is put in the place of any part of a bundle leads to an outcome, not to a failure."""
    sound, draw = bundle(submission(1, document(1), folder(1)), {"Document01": b"x"}), random.Random(6)

    def spoil(node):
        key = draw.choice(list(node) if isinstance(node, dict) else range(len(node)))
        if isinstance(node[key], (dict, list)) and node[key] and draw.random() < 0.8:
            spoil(node[key])
        else:
            node[key] = draw.choice([None, 1, True, "x", "", [], {}, ["x"], {"a": 1}, [[]], "\0", 10 ** 30])

    for _ in range(150):
        broken = copy.deepcopy(sound)
        spoil(broken)
        answer = ask(domain.url, "POST", json.dumps(broken).encode())
        assert answer.status in (200, 400, 422), (answer.problems, broken)
        if answer.status == 200:                        # what was spoilt is none of XDS's, or optional
            sound = bundle(submission(draw.randrange(2, 10**6), document(draw.randrange(2, 10**6)), folder(draw.randrange(2, 10**6))), {})
            name = next(one for one in sound["entry"] if one["resource"]["resourceType"] == "DocumentReference")
            sound["entry"].append({"fullUrl": name["resource"]["content"][0]["attachment"]["url"],
                "request": {"method": "POST", "url": "Binary"},
                                   "resource": {"resourceType": "Binary", "contentType": "application/dicom", "data": "eA=="}})


def test_the_same_documents_give_the_same_answers(domain):
    draw, contents = random.Random(5), {}
    classes, events = ["IMAGES", "REPORT", "CONSENT"], ["CT", "MR", "US"]
    for number in range(1, 31):
        patient, octets = draw.choice([PATIENT, PATIENT, OTHER]), draw.randbytes(draw.randrange(60))
        entry = document(number, patient, classCode=Code(draw.choice(classes), "2.999.1.9.11"), eventCodeList=tuple(
            Code(one, "1.2.840.10008.2.16.4") for one in draw.sample(events, draw.randrange(1, 3))),
            creationTime=f"202503{draw.randrange(10, 32)}",
            serviceStartTime=f"202503{draw.randrange(10, 32)}1200{draw.choice(['', '30'])}",
            author=(Author(f"^{draw.choice('ABC')}ER^{draw.choice('XYZ')}"),))
        send, url = draw.choice([(mhd_provide, domain.url), (sharing.provide, domain.repository.url)])
        answer = send(url, submission(number, entry, patient=patient), {f"Document{number:02}": octets})
        assert not answer.problems
        contents[f"2.999.5.{number}"] = octets
    for _ in range(40):
        search, asked = {"patient.identifier": f"urn:oid:2.999.1.9|NM10001{draw.choice('78')}", "status": "current"}, {"Status": [APPROVED]}
        asked["PatientId"] = f"{search['patient.identifier'].rpartition('|')[2]}^^^&2.999.1.9&ISO"
        if draw.random() < 0.4:
            some = draw.sample(classes, draw.randrange(1, 3))
            search["category"] = ",".join(f"urn:oid:2.999.1.9.11|{one}" for one in some)
            asked["ClassCode"] = [Code(one, "2.999.1.9.11") for one in some]
        if draw.random() < 0.4:
            every = draw.sample(events, draw.randrange(1, 3))
            search["event"] = [f"urn:oid:1.2.840.10008.2.16.4|{one}" for one in every]
            asked["EventCodeList"] = [[Code(one, "1.2.840.10008.2.16.4")] for one in every]
        if draw.random() < 0.4:
            day = draw.randrange(10, 32)
            search["creation"], asked["CreationTimeFrom"] = f"ge2025-03-{day}", f"202503{day}"
        if draw.random() < 0.4:
            day = draw.randrange(10, 32)
            search["period"] = f"lt2025-03-{day}"
            asked["ServiceStartTimeTo"] = asked["ServiceStopTimeTo"] = f"202503{day}"
        if draw.random() < 0.3:
            family = f"{draw.choice('ABC')}ER"
            search["author.family"], asked["AuthorPerson"] = family, [f"%^{family}^%"]
        over_mhd = {entry["uniqueId"]: entry for entry in mhd_find(domain.url, search).entries}
        over_xds = {entry["uniqueId"]: entry for entry in xds(domain, **asked)}
        assert over_mhd.keys() == over_xds.keys(), search
        for uid, entry in over_mhd.items():
            start = over_xds[uid]["serviceStartTime"].ljust(14, "0")                    # FHIR knows no minutes without seconds
            assert entry == over_xds[uid].copy(repositoryUniqueId=None, serviceStartTime=start)
    for resource in mhd_find(domain.url, WHO).resources:
        attachment, uid = resource["content"][0]["attachment"], resource["masterIdentifier"]["value"].removeprefix("urn:oid:")
        fetched = mhd_retrieve(attachment["url"]).octets
        assert fetched == contents[uid] == sharing.retrieve(domain.repository.url, [(domain.repository.unique_id, uid)]).documents[0].octets
        assert base64.b64decode(attachment["hash"]) == hashlib.sha1(fetched).digest() and attachment["size"] == len(fetched)


def test_the_capability_statement(empty):
    resource = ask(f"{empty.url}/metadata").resource
    searched = {one["type"]: {parameter["name"] for parameter in one.get("searchParam", ())} for one in resource["rest"][0]["resource"]}
    assert {"patient", "patient.identifier", "status", "period", "related"} <= searched["DocumentReference"] and "code" in searched["List"]


def test_the_journal(domain):
    provide(domain, 1)
    mhd_find(domain.url, {"status": "current"})
    assert [repr(event) for event in domain.fhir.journal] == [
        "consumer -> NMH_MHD  ITI-65", "NMH_MHD -> consumer  ITI-65 response  200", "consumer -> NMH_MHD  ITI-67  status=current",
        "NMH_MHD -> consumer  ITI-67 response  400"]
    assert {event.source for event in domain.registry.journal if event.what == "ITI-42"} == {"HV_REPOSITORY"}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(domain, tmp_path):
    (tmp_path / "bundle.json").write_text(json.dumps(bundle(submission(1, document(1)), {"Document01": b"over curl"})), encoding="utf-8")

    def curl(*arguments):
        return subprocess.run(["curl", "-sS", *arguments], capture_output=True, timeout=30).stdout

    sent = curl("-H", "Content-Type: application/fhir+json", "--data-binary", f"@{tmp_path / 'bundle.json'}", domain.url)
    assert json.loads(sent)["type"] == "transaction-response"
    found = curl("--data-urlencode", "patient.identifier=urn:oid:2.999.1.9|NM100017", "--data-urlencode", "status=current",
                 f"{domain.url}/DocumentReference/_search")
    url, = mhd.elements(json.loads(found), "entry.resource.content.attachment.url")
    assert curl(url) == b"over curl"


def test_over_tls(tmp_path):
    authority = Authority(tmp_path)
    nodes = {name: authority.issue(name) for name in ("HV_REGISTRY", "HV_REPOSITORY", "NMH_MHD", "PHONE")}
    phone, stranger = Caller("PHONE", nodes["PHONE"]), Caller("MALLORY", Authority(tmp_path, "OTHER_CA").issue("MALLORY"))
    with Registry(certificates=nodes["HV_REGISTRY"]) as registry, Repository(
            registry=registry.url, certificates=nodes["HV_REPOSITORY"]) as repository, FhirDocuments(
            registry.url, repository.url, certificates=nodes["NMH_MHD"]) as fhir:
        registry.know(PATIENT)
        assert mhd_provide(fhir.url, submission(1, document(1)), {"Document01": b"over TLS"}, phone).status == 200
        url, = mhd.elements(mhd_find(fhir.url, WHO, phone).resource, "entry.resource.content.attachment.url")
        assert url.startswith("https://127.0.0.1:") and mhd_retrieve(url, sender=phone).octets == b"over TLS"
        assert {event.source for event in registry.journal if event.what == "ITI-18"} == {"NMH_MHD"}
        with pytest.raises(NoAnswer, match="127.0.0.1 does not answer over HTTP"):
            mhd_retrieve(url, sender=stranger)
        with pytest.raises(NoAnswer, match="authority"):
            mhd_retrieve(url, sender="PHONE")
        with FhirDocuments(registry.url, repository.url) as outside:
            assert codes(mhd_find(outside.url, WHO)) == (503, ["XDSRegistryNotAvailable"])
