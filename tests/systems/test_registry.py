"""The document registry and the repository, over SOAP as others would call them."""

import http.client
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from lxml import etree
from ports import own_port

from coursekit.standards import soap, xml
from coursekit.standards.xds import facts
from coursekit.standards.xds.facts import APPROVED, ASSOCIATION, DEPRECATED, DOCUMENT, FOLDER, SET
from coursekit.standards.xds.metadata import Author, Code, association
from coursekit.systems import document_sharing as sharing
from coursekit.systems import mllp
from coursekit.systems.registry import Registry
from coursekit.systems.repository import Repository
from coursekit.systems.web import NoAnswer, ask
from tests.standards.test_xds_metadata import COMPLETE, PATIENT, SCHEMAS, document, folder, submission

OTHER = "NM100018^^^&2.999.1.9&ISO"
ALL = [APPROVED, DEPRECATED]


@pytest.fixture
def registry():
    with Registry(port=own_port()) as registry:
        registry.know(PATIENT, OTHER)
        yield registry


def put(registry, number, *objects, patient=PATIENT, links=()):
    """Register objects; gives the Answer."""
    return sharing.register(registry.url, [*submission(number, *objects, patient=patient), *links])


def kept(number, patient=PATIENT, **more):
    return document(number, patient, **{**COMPLETE, **more})


def find(registry, **more):
    """uniqueIds that FindDocuments finds; keyword ClassCode is $XDSDocumentEntryClassCode."""
    asked = {"PatientId": PATIENT, "Status": [APPROVED], **more}
    answer = sharing.query(registry.url, "FindDocuments", {f"$XDSDocumentEntry{name}": value for name, value in asked.items() if value})
    return sorted(one["uniqueId"] for one in answer.entries) if not answer.problems else answer.problems[0].code


def codes(answer):
    return [problem.code for problem in answer.problems]


def test_what_was_registered_is_found(registry):
    assert put(registry, 1, kept(1), kept(2)).status == facts.SUCCESS
    answer = sharing.query(registry.url, "FindDocuments", {"$XDSDocumentEntryPatientId": PATIENT, "$XDSDocumentEntryStatus": [APPROVED]})
    first = next(one for one in answer.entries if one["uniqueId"] == "2.999.5.1")
    assert first["availabilityStatus"] == APPROVED and first.id.startswith("urn:uuid:")
    sent = kept(1)
    assert {name: value for name, value in first.values.items() if name not in ("entryUUID", "availabilityStatus")} == {
        name: value for name, value in sent.values.items() if name != "entryUUID"}
    references = sharing.query(registry.url, "FindDocuments", {"$XDSDocumentEntryPatientId": PATIENT, "$XDSDocumentEntryStatus": [APPROVED]},
                               leaves=False)
    assert sorted(references.ids) == sorted(one.id for one in answer.entries) and not references.entries


@pytest.mark.parametrize("asked, found", [
    ({}, [1, 2, 3]), ({"ClassCode": Code("IMAGES", "2.999.1.9.11")}, [1, 3]), ({"ClassCode": [Code("REPORT", "x"), Code("IMAGES", "2.999.1.9.11")]}, [1, 3]),
    ({"ClassCode": Code("IMAGES", "other scheme")}, []), ({"EventCodeList": [[Code("CT", "1.2.840.10008.2.16.4"), Code("MR", "1.2.840.10008.2.16.4")]]}, [1, 2]),
    ({"EventCodeList": [[Code("CT", "1.2.840.10008.2.16.4")], [Code("HEAD", "2.999")]]}, [2]),
    ({"ServiceStartTimeFrom": "20250330014103"}, [1, 2, 3]), ({"ServiceStartTimeFrom": "20250330014104"}, [2, 3]),
    ({"ServiceStartTimeTo": "20250330014103"}, [3]), ({"ServiceStartTimeTo": "20250330014104"}, [1, 3]),
    ({"ServiceStartTimeFrom": "202504"}, [2, 3]), ({"CreationTimeFrom": "2026"}, []),
    ({"AuthorPerson": "%TERBRUGGEN%"}, [1, 3]), ({"AuthorPerson": ["1012%", "nobody"]}, [2]), ({"AuthorPerson": "101_^TERBRUGGEN%"}, [1, 3]),
    ({"Status": [DEPRECATED]}, []), ({"Status": ALL}, [1, 2, 3]), ({"Status": [APPROVED, "urn:nonsense"]}, [1, 2, 3]),
    ({"PatientId": OTHER}, []), ({"PatientId": "NM1^^^&2.999.1.9&ISO"}, []), ({"Type": [facts.ON_DEMAND]}, []),
    ({"ConfidentialityCode": Code("N", "2.16.840.1.113883.5.25")}, [1, 2, 3]),
])
def test_conditions(registry, asked, found):
    put(registry, 1, kept(1))
    event = (Code("CT", "1.2.840.10008.2.16.4"), Code("HEAD", "2.999"))
    put(registry, 2, kept(2, classCode=Code("REPORT", "2.999.1.9.11"), eventCodeList=event, serviceStartTime="20250407",
                          author=(Author("1012^O'BRIEN^MAEVE"),)))
    third = kept(3).copy(serviceStartTime=None, eventCodeList=None)
    put(registry, 3, third)
    assert find(registry, **asked) == [f"2.999.5.{number}" for number in found]


def test_a_quote_in_a_value_is_doubled(registry):
    put(registry, 1, kept(1, author=(Author("1012^O'BRIEN^MAEVE"),)))
    assert find(registry, AuthorPerson="%O'BRIEN%") == ["2.999.5.1"]
    assert sharing.written(["O'B", "x"]) == "('O''B','x')" and sharing.written("20250407", True) == "20250407"


def test_codes_stand_in_one_pair_of_parentheses():
    assert sharing.written(Code("CT", "1.2")) == "('CT^^1.2')" == sharing.written([Code("CT", "1.2")])
    assert sharing.written([Code("CT", "1.2"), Code("O'B", "x")]) == "('CT^^1.2','O''B^^x')"


def test_another_matching_takes_the_place_of_the_registrys(registry):
    put(registry, 1, kept(1), kept(2, classCode=Code("REPORT", "2.999.1.9.11")))
    asked = []

    def fits(name, having, slots):
        asked.append((name.removeprefix("$XDSDocumentEntry"), having, slots))
        return having != ["REPORT^^2.999.1.9.11"]

    registry.fits = fits
    assert find(registry, ClassCode=Code("ANY", "x"), ServiceStopTimeTo="2026") == ["2.999.5.1"]
    assert ("ClassCode", ["IMAGES^^2.999.1.9.11"], [["ANY^^x"]]) in asked and ("ServiceStopTimeTo", [], [["2026"]]) in asked
    assert ("Status", [APPROVED], [[APPROVED]]) in asked and all(name != "PatientId" for name, _, _ in asked)


@pytest.mark.parametrize("asked, code", [
    ({"Status": None}, "XDSStoredQueryMissingParam"), ({"PatientId": None}, "XDSStoredQueryMissingParam"),
    ({"PatientId": [PATIENT, OTHER]}, "XDSStoredQueryParamNumber"), ({"Status": ["urn:nonsense"]}, "XDSStoredQueryMissingParam"),
    ({"ClassCode": [[Code("a", "b")], [Code("c", "d")]]}, "XDSStoredQueryParamNumber"),
])
def test_wrong_parameters(registry, asked, code):
    assert find(registry, **asked) == code


def test_wrong_queries(registry):
    assert codes(sharing.query(registry.url, "urn:uuid:00000000-0000-4000-8000-000000000001", {})) == ["XDSUnknownStoredQuery"]
    both = {"$XDSDocumentEntryEntryUUID": ["a"], "$XDSDocumentEntryUniqueId": ["b"]}
    assert codes(sharing.query(registry.url, "GetDocuments", both)) == ["XDSStoredQueryParamNumber"]
    assert codes(sharing.query(registry.url, "GetDocuments", {})) == ["XDSStoredQueryMissingParam"]


def test_a_reference_id(registry):
    put(registry, 1, kept(1), kept(2, referenceIdList=("B1^^^^urn:ihe:iti:xds:2016:studyInstanceUID", "C1^^^^x")))
    asked = {"$XDSDocumentEntryPatientId": PATIENT, "$XDSDocumentEntryStatus": [APPROVED]}

    def found(value):
        answer = sharing.query(registry.url, "FindDocumentsByReferenceId", {**asked, "$XDSDocumentEntryReferenceIdList": value})
        return [one["uniqueId"] for one in answer.entries]

    assert found("A2503300017^^^&2.999.1.1&ISO^urn:ihe:iti:xds:2013:accession") == ["2.999.5.1"]
    assert found("B1%") == ["2.999.5.2"] and found([["B1%"], ["C1%"]]) == ["2.999.5.2"] and found([["B1%"], ["A%"]]) == []


def test_a_replacement(registry):
    put(registry, 1, kept(1), folder(1))
    old = sharing.query(registry.url, "GetDocuments", {"$XDSDocumentEntryUniqueId": ["2.999.5.1"]}).entries[0].id
    into, = sharing.query(registry.url, "FindFolders", {"$XDSFolderPatientId": PATIENT, "$XDSFolderStatus": [APPROVED]}).ids
    link = association(facts.HAS_MEMBER, into, old)
    assert not put(registry, 2, links=[link, association(facts.HAS_MEMBER, "Set01", link.id)]).problems
    assert not put(registry, 3, kept(3), links=[association(facts.APND, "Document03", old)]).problems
    assert not put(registry, 4, kept(4), links=[association(facts.RPLC, "Document04", old)]).problems
    assert find(registry) == ["2.999.5.4"] and find(registry, Status=[DEPRECATED]) == ["2.999.5.1", "2.999.5.3"]
    inside = sharing.query(registry.url, "GetFolderAndContents", {"$XDSFolderUniqueId": "2.999.7.1"})
    assert sorted(one["uniqueId"] for one in inside.entries if one.kind == DOCUMENT) == ["2.999.5.1", "2.999.5.4"]
    assert inside.entries[0]["lastUpdateTime"] == "20250407060000"
    again = put(registry, 5, kept(5), links=[association(facts.RPLC, "Document05", old)])
    assert codes(again) == ["XDSRegistryDeprecatedDocumentError"] and find(registry) == ["2.999.5.4"]
    related = sharing.query(registry.url, "GetRelatedDocuments", {"$XDSDocumentEntryUniqueId": "2.999.5.1", "$AssociationTypes": [facts.RPLC]})
    assert [one["uniqueId"] for one in related.entries if one.kind == DOCUMENT] == ["2.999.5.1", "2.999.5.4"]
    none = sharing.query(registry.url, "GetRelatedDocuments", {"$XDSDocumentEntryUniqueId": "2.999.5.1", "$AssociationTypes": [facts.SIGNS]})
    assert none.status == facts.SUCCESS and not none.entries


def test_a_transformation_leaves_the_original(registry):
    put(registry, 1, kept(1))
    old, = sharing.query(registry.url, "GetDocuments", {"$XDSDocumentEntryUniqueId": ["2.999.5.1"]}).ids
    assert not put(registry, 2, kept(2), links=[association(facts.XFRM, "Document02", old)]).problems
    assert find(registry) == ["2.999.5.1", "2.999.5.2"]


@pytest.mark.parametrize("links, code", [
    ([association(facts.RPLC, "Document02", "urn:uuid:00000000-0000-4000-8000-000000000001")], "UnresolvedReferenceException"),
    ([association(facts.RPLC, "urn:uuid:00000000-0000-4000-8000-000000000001", "Document02")], "UnresolvedReferenceException"),
    ([association(facts.RPLC, "Document02", "Document02")], "UnresolvedReferenceException"),
    ([association(facts.HAS_MEMBER, "Set01", "urn:uuid:00000000-0000-4000-8000-000000000001", facts.REFERENCE)], "UnresolvedReferenceException"),
])
def test_links_that_lead_nowhere(registry, links, code):
    assert codes(put(registry, 2, kept(2), links=links)) == [code] and find(registry) == []


def test_another_patients_document(registry):
    put(registry, 1, kept(1, patient=OTHER), patient=OTHER)
    theirs, = sharing.query(registry.url, "GetDocuments", {"$XDSDocumentEntryUniqueId": ["2.999.5.1"]}).ids
    assert codes(put(registry, 2, kept(2), links=[association(facts.RPLC, "Document02", theirs)])) == ["XDSPatientIdDoesNotMatch"]
    assert not put(registry, 3, kept(3), links=[association(facts.HAS_MEMBER, "Set01", theirs, facts.REFERENCE)]).problems
    inside = sharing.query(registry.url, "GetSubmissionSetAndContents", {"$XDSSubmissionSetUniqueId": "2.999.6.3"})
    assert codes(inside) == ["XDSResultNotSinglePatient"] and not inside.entries
    assert len(sharing.query(registry.url, "GetSubmissionSetAndContents", {"$XDSSubmissionSetUniqueId": "2.999.6.3"}, leaves=False).ids) == 5


def test_the_same_document_again(registry):
    put(registry, 1, kept(1))
    assert put(registry, 2, kept(1)).status == facts.SUCCESS and find(registry) == ["2.999.5.1"] * 2
    assert codes(put(registry, 3, kept(1, hash="1" * 40))) == ["XDSNonIdenticalHash"]
    assert codes(put(registry, 4, kept(1, size="1"))) == ["XDSNonIdenticalSize"]
    assert codes(put(registry, 1, kept(9))) == ["XDSDuplicateUniqueIdInRegistry"]
    assert codes(put(registry, 5, kept(9, uniqueId="2.999.6.1"))) == ["XDSDuplicateUniqueIdInRegistry"]


def test_patients_must_be_known(registry):
    stranger = "NM999999^^^&2.999.1.9&ISO"
    assert codes(put(registry, 1, kept(1, patient=stranger), patient=stranger)) == ["XDSUnknownPatientId"]


def test_codes_of_the_affinity_domain():
    with Registry(codes={"classCode": {("REPORT", "2.999.1.9.11")}}) as registry:
        registry.know(PATIENT)
        problem, = put(registry, 1, kept(1)).problems
        assert problem.code == "XDSRegistryMetadataError" and "classCode IMAGES" in problem.context
        assert not put(registry, 2, kept(2, classCode=Code("REPORT", "2.999.1.9.11", "any display"))).problems


def test_symbols_become_uuids_everywhere(registry):
    put(registry, 1, kept(1), folder(1), links=[association(facts.HAS_MEMBER, "Folder01", "Document01", id="Link")])
    everything = sharing.query(registry.url, "GetAll", {
        "$patientId": PATIENT, "$XDSDocumentEntryStatus": [APPROVED], "$XDSSubmissionSetStatus": [APPROVED], "$XDSFolderStatus": [APPROVED]})
    assert {one.kind for one in everything.entries} == {DOCUMENT, SET, FOLDER, ASSOCIATION} and len(everything.entries) == 6
    assert all(one.id.startswith("urn:uuid:") for one in everything.entries)
    ends = {one[end] for one in everything.entries if one.kind == ASSOCIATION for end in ("source", "target")}
    assert ends <= {one.id for one in everything.entries}
    uuid = "urn:uuid:11111111-2222-4333-8444-555555555555"
    put(registry, 2, kept(2, entryUUID=uuid))
    assert sharing.query(registry.url, "GetDocuments", {"$XDSDocumentEntryEntryUUID": [uuid]}).ids == [uuid]


def test_queries_that_follow_associations(registry):
    put(registry, 1, kept(1), folder(1), links=[association(facts.HAS_MEMBER, "Folder01", "Document01")])
    id, = sharing.query(registry.url, "GetDocuments", {"$XDSDocumentEntryUniqueId": ["2.999.5.1"]}).ids

    def kinds(name, parameters):
        return sorted(one.kind for one in sharing.query(registry.url, name, parameters).entries)

    assert kinds("GetAssociations", {"$uuid": [id]}) == [ASSOCIATION] * 2
    assert kinds("GetDocumentsAndAssociations", {"$XDSDocumentEntryUniqueId": ["2.999.5.1"]}) == [ASSOCIATION] * 2 + [DOCUMENT]
    assert kinds("GetSubmissionSets", {"$uuid": [id]}) == [ASSOCIATION, SET]
    assert kinds("GetFoldersForDocument", {"$XDSDocumentEntryEntryUUID": id}) == [FOLDER]
    assert kinds("GetFolders", {"$XDSFolderUniqueId": ["2.999.7.1"]}) == [FOLDER]
    assert kinds("GetFolderAndContents", {"$XDSFolderUniqueId": "2.999.7.1"}) == [ASSOCIATION, DOCUMENT, FOLDER]
    assert kinds("GetFolderAndContents", {"$XDSFolderUniqueId": "2.999.7.1", "$XDSDocumentEntryFormatCode": Code("x", "y")}) == [FOLDER]
    assert kinds("GetSubmissionSetAndContents", {"$XDSSubmissionSetUniqueId": "2.999.6.1"}) == [ASSOCIATION] * 3 + [DOCUMENT, FOLDER, SET]
    assert kinds("FindSubmissionSets", {"$XDSSubmissionSetPatientId": PATIENT, "$XDSSubmissionSetStatus": [APPROVED],
                                        "$XDSSubmissionSetSourceId": ["2.999.3"]}) == [SET]
    assert kinds("FindFolders", {"$XDSFolderPatientId": PATIENT, "$XDSFolderStatus": [APPROVED],
                                 "$XDSFolderCodeList": [[Code("STROKE", "2.999.1.9.15")]]}) == [FOLDER]


# The identity feed

def feed(registry, trigger, pid, merged=""):
    mrg = f"MRG|{merged}\r" if merged else ""
    message = (f"MSH|^~\\&|NMH_INDEX|NMH|NMH_REGISTRY|NMH|20250407060000||ADT^{trigger}|F1|P|2.3.1\rEVN|{trigger}|20250407060000\r"
               f"PID|||{pid}||VANDERMEER^ANNA||19610817|F\r{mrg}PV1||N\r")
    return mllp.send("127.0.0.1", registry.hl7_port, message)


def test_the_identity_feed(registry):
    assert feed(registry, "A04", "NM3^^^NMH&2.999.1.9&ISO")["MSA-1"] == "AA"
    assert feed(registry, "A01", "HV1^^^HVGH&2.999.1.1&ISO~NM4^^^NMH")["MSA-1"] == "AA"         # a namespace alone will do
    assert registry.patients() == {one: None for one in sorted([PATIENT, OTHER, "NM3^^^&2.999.1.9&ISO", "NM4^^^&2.999.1.9&ISO"])}
    assert feed(registry, "A04", "HV1^^^HVGH&2.999.1.1&ISO")["MSA-1"] == "AE"
    assert feed(registry, "A08", "NM3^^^NMH&2.999.1.9&ISO")["MSA-1"] == "AA"
    refused = feed(registry, "A11", "NM3^^^NMH&2.999.1.9&ISO")
    assert refused["MSA-1"] == "AR"


def test_a_merge(registry):
    put(registry, 1, kept(1))
    put(registry, 2, kept(2, patient=OTHER), patient=OTHER)
    assert feed(registry, "A40", "NM100018^^^NMH&2.999.1.9&ISO", "NM100017^^^NMH&2.999.1.9&ISO")["MSA-1"] == "AA"
    assert find(registry) == [] and find(registry, PatientId=OTHER) == ["2.999.5.1", "2.999.5.2"]
    merged = sharing.query(registry.url, "GetDocuments", {"$XDSDocumentEntryUniqueId": ["2.999.5.1"]}).entries[0]
    assert merged["patientId"] == OTHER and merged["sourcePatientId"] == "HV100234^^^&2.999.1.1&ISO"
    assert codes(put(registry, 3, kept(3))) == ["XDSUnknownPatientId"]
    for pid, old in (("NM100018", "NM100017"), ("NM100018", "NM100018"), ("NM100017", "NM100018"), ("NM100018", "NM7")):
        assert feed(registry, "A40", f"{pid}^^^NMH&2.999.1.9&ISO", f"{old}^^^NMH&2.999.1.9&ISO")["MSA-1"] == "AE", (pid, old)


def test_a_chain_of_merges(registry):
    put(registry, 1, kept(1))
    feed(registry, "A04", "NM3^^^NMH&2.999.1.9&ISO")
    feed(registry, "A40", "NM100018^^^NMH", "NM100017^^^NMH")
    feed(registry, "A40", "NM3^^^NMH", "NM100018^^^NMH")
    assert find(registry, PatientId="NM3^^^&2.999.1.9&ISO") == ["2.999.5.1"] and find(registry, PatientId=OTHER) == []


# The repository

@pytest.fixture
def repository(registry):
    with Repository(registry=registry.url) as repository:
        yield repository


def provide(repository, number, octets=b"\0\xffdocument", **more):
    return sharing.provide(repository.url, submission(number, document(number, **more)), {f"Document{number:02}": octets})


def test_what_was_provided_is_retrieved(registry, repository):
    octets = bytes(range(256)) * 5_000
    assert provide(repository, 1, octets).status == facts.SUCCESS
    entry, = sharing.query(registry.url, "GetDocuments", {"$XDSDocumentEntryUniqueId": ["2.999.5.1"]}).entries
    assert entry["size"] == "1280000" and len(entry["hash"]) == 40 and entry["repositoryUniqueId"] == repository.unique_id
    answer = sharing.retrieve(repository.url, [(repository.unique_id, "2.999.5.1")])
    assert answer.status == facts.SUCCESS and answer.documents[0].octets == octets and answer.documents[0].mime_type == "application/dicom"
    assert answer.response.packaged
    partly = sharing.retrieve(repository.url, [(repository.unique_id, "2.999.5.1"), ("2.999.9", "2.999.5.1"), (repository.unique_id, "2.999.5.2")])
    assert partly.status == facts.PARTIAL and codes(partly) == ["XDSUnknownRepositoryId", "XDSDocumentUniqueIdError"] and len(partly.documents) == 1
    nothing = sharing.retrieve(repository.url, [(repository.unique_id, "2.999.5.2")])
    assert nothing.status == facts.FAILURE and not nothing.documents


def test_what_the_repository_refuses(registry, repository):
    assert codes(provide(repository, 1, hash="0" * 40)) == ["XDSRepositoryMetadataError"]
    assert codes(provide(repository, 1, size="3")) == ["XDSRepositoryMetadataError"]
    assert codes(sharing.provide(repository.url, submission(1, document(1)), {})) == ["XDSMissingDocument"]
    extra = sharing.provide(repository.url, submission(1, document(1)), {"Document01": b"x", "Document02": b"y"})
    assert codes(extra) == ["XDSMissingDocumentMetadata"]
    unknown = sharing.provide(repository.url, submission(1, document(1, "NM9^^^&2.999.1.9&ISO"), patient="NM9^^^&2.999.1.9&ISO"), {"Document01": b"x"})
    assert codes(unknown) == ["XDSUnknownPatientId"]
    assert find(registry) == []
    assert sharing.retrieve(repository.url, [(repository.unique_id, "2.999.5.1")]).status == facts.FAILURE       # nothing was left behind
    registry.stop()
    assert codes(provide(repository, 1)) == ["XDSRegistryNotAvailable"]


def test_the_same_unique_id_with_another_content(registry, repository):
    provide(repository, 1, b"first")
    again = sharing.provide(repository.url, submission(2, document(1)), {"Document01": b"second"})
    assert codes(again) == ["XDSNonIdenticalHash"]
    assert sharing.retrieve(repository.url, [(repository.unique_id, "2.999.5.1")]).documents[0].octets == b"first"


# Whatever comes

def posted(port, octets, kind):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("POST", "/", octets, {"Content-Type": kind})
    response = connection.getresponse()
    answer = response.status, response.headers["Content-Type"], response.read()
    connection.close()
    return answer


@pytest.mark.parametrize("octets, kind, said", [
    (b"", "application/soap+xml", "well-formed"), (b"\0\1\2", "application/soap+xml", "well-formed"), (b"<a/>", "text/plain", "neither"),
    (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "application/soap+xml", "DOCTYPE"), (b"--x", 'multipart/related; boundary="y"', "no part"),
    (b"<a/>", "application/soap+xml", "no SOAP 1.2"),
])
def test_what_is_no_soap_gets_a_fault(registry, octets, kind, said):
    status, answered, body = posted(registry.port, octets, kind)
    assert status == 400 and "soap+xml" in answered
    with pytest.raises(soap.Fault, match=said):
        soap.read(body, answered)
    assert find(registry) == []


def test_random_bodies_are_survived(registry):
    draw = random.Random(3)
    sound, kind = soap.Message(facts.ACTIONS["ITI-18"][0], etree.fromstring("<a/>")).encode()
    for _ in range(100):
        broken = bytearray(sound)
        for _ in range(draw.randrange(1, 8)):
            broken[draw.randrange(len(broken))] = draw.randrange(256)
        assert posted(registry.port, bytes(broken), kind)[0] in (200, 400, 500)
    assert find(registry) == []


def test_another_action_gets_a_fault(registry):
    with pytest.raises(soap.Fault, match="not served here"):
        ask(registry.url, soap.Message(facts.ACTIONS["ITI-41"][0], etree.fromstring("<a/>")))
    with pytest.raises(soap.Fault, match="holds a query:AdhocQueryRequest"):
        ask(registry.url, soap.Message(facts.ACTIONS["ITI-18"][0], etree.fromstring("<a/>")))


def test_nobody_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(NoAnswer, match="does not answer"):
            sharing.query(f"http://127.0.0.1:{free.getsockname()[1]}/", "GetDocuments", {})


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(registry, tmp_path):
    put(registry, 1, kept(1))
    body = etree.fromstring(
        f"""<query:AdhocQueryRequest xmlns:query="{facts.QUERY}" xmlns:rim="{facts.RIM}"><query:ResponseOption returnComposedObjects="true"
        returnType="LeafClass"/><rim:AdhocQuery id="{facts.QUERIES['FindDocuments'].id}">
        <rim:Slot name="$XDSDocumentEntryPatientId"><rim:ValueList><rim:Value>'{PATIENT.replace('&', '&amp;')}'</rim:Value></rim:ValueList></rim:Slot>
        <rim:Slot name="$XDSDocumentEntryStatus"><rim:ValueList><rim:Value>('{APPROVED}')</rim:Value></rim:ValueList></rim:Slot>
        </rim:AdhocQuery></query:AdhocQueryRequest>""")
    octets, kind = soap.Message(facts.ACTIONS["ITI-18"][0], body).encode()
    (tmp_path / "request.xml").write_bytes(octets)
    ran = subprocess.run(["curl", "-sS", "-H", f"Content-Type: {kind}", "--data-binary", f"@{tmp_path / 'request.xml'}", registry.url],
                         capture_output=True, timeout=30)
    assert ran.returncode == 0 and b"2.999.5.1" in ran.stdout


def test_fifty_submissions_at_once(registry):
    answers = []

    def send(number):
        answers.append(put(registry, number, kept(number)).status)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(1, 51)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [facts.SUCCESS] * 50 and len(find(registry)) == 50


REGISTRY_TO_KILL = """
import sys, time
from coursekit.systems.registry import Registry
registry = Registry(folder=sys.argv[1]).start()
registry.know(sys.argv[2])
print(registry.port, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("round_", range(3))
def test_killed_in_the_middle_nothing_is_half_registered(tmp_path, round_):
    process = subprocess.Popen([sys.executable, "-c", REGISTRY_TO_KILL, str(tmp_path), PATIENT], stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
    acknowledged = []
    try:
        url = f"http://127.0.0.1:{int(process.stdout.readline())}/"
        for number in range(1, 2_000):
            try:
                sharing.register(url, submission(number, kept(number), kept(number + 10_000)))
            except (NoAnswer, soap.BadSoap):
                break
            acknowledged.append(f"2.999.6.{number}")
            if number == 1:
                threading.Timer(0.1 + 0.1 * round_, process.kill).start()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    with Registry(folder=tmp_path) as again:
        answer = sharing.query(again.url, "FindSubmissionSets", {"$XDSSubmissionSetPatientId": PATIENT, "$XDSSubmissionSetStatus": [APPROVED]})
        sets = [one["uniqueId"] for one in answer.entries]
        assert acknowledged and set(acknowledged) <= set(sets)
        for uid in sets:                                                    # each with both documents and both associations, or not at all
            whole = sharing.query(again.url, "GetSubmissionSetAndContents", {"$XDSSubmissionSetUniqueId": uid})
            assert len(whole.entries) == 5


@pytest.mark.skipif(not SCHEMAS, reason="COURSEKIT_SCHEMAS names no folder with the published schemas")
def test_the_published_schemas_agree(registry, repository):
    provide(repository, 1)
    asked = {"$XDSDocumentEntryPatientId": PATIENT, "$XDSDocumentEntryStatus": [APPROVED], "$XDSDocumentEntryClassCode": Code("IMAGES", "2.999.1.9.11")}
    answers = [provide(repository, 2), provide(repository, 2), sharing.query(registry.url, "FindDocuments", asked),
               sharing.query(registry.url, "FindDocuments", asked, leaves=False), sharing.query(registry.url, "GetDocuments", {}),
               sharing.retrieve(repository.url, [(repository.unique_id, "2.999.5.1"), ("2.999.9", "x")]), put(registry, 3, kept(3))]
    schemas = {name: etree.XMLSchema(etree.parse(str(Path(SCHEMAS) / "xds" / name))) for name in (
        "XDS.b_DocumentRepository.xsd", "query.xsd", "lcm.xsd", "rs.xsd")}
    by_space = {facts.XDSB: "XDS.b_DocumentRepository.xsd", facts.QUERY: "query.xsd", facts.LCM: "lcm.xsd", facts.RS: "rs.xsd"}
    for answer in answers:
        for message in (answer.request, answer.response):
            body = xml.parse(xml.encode(message.inlined()))
            schemas[by_space[etree.QName(body).namespace]].assertValid(body)


def test_nothing_stays_behind():
    for _ in range(3):
        with pytest.raises(KeyError):
            with Registry(port=own_port(), hl7_port=own_port()) as registry, Repository(registry=registry.url, port=own_port()) as repository:
                registry.know(PATIENT)
                provide(repository, 1)
                ports = registry.port, registry.hl7_port, repository.port
                raise KeyError
    for port in ports:
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1)
