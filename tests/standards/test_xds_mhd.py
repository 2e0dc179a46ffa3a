"""Metadata of shared documents as resources of FHIR, and back."""

import copy

import pytest

from coursekit.standards.xds import facts, mhd
from coursekit.standards.xds.facts import DOCUMENT, FOLDER, SET
from coursekit.standards.xds.metadata import Author, Code
from tests.standards.test_xds_metadata import COMPLETE, document, folder, submission_set

UUID = "urn:uuid:11111111-2222-4333-8444-555555555555"
KEPT = {"entryUUID": UUID, "availabilityStatus": facts.APPROVED}
RICH = {
    "comments": "for the stroke unit", "legalAuthenticator": "1011^TERBRUGGEN^JORIS^PIET^JR^DR^MD^^&2.999.1.1&ISO",
    "serviceStopTime": "202504",
    "eventCodeList": (Code("CT", "1.2.840.10008.2.16.4", "Computed Tomography"), Code("HEAD", "2.999.4")),
    "author": (
        Author("1011^TERBRUGGEN^JORIS^^^DR", ("HVGH^^^^^&2.999.1&ISO^^^^77",), ("radiologist", "RAD^^^&2.999.8&ISO"), ("neuro",),
               ("^^Internet^joris@hvgh.example", "^^PH^^^^^^^^^+1 555 0100")), Author("", ("ECC^^^^^^^^^2.999.1.2",)),
               Author("^O'BRIEN^MAEVE")),
    "sourcePatientInfo": ("PID-3|HV100234^^^&2.999.1.1&ISO~EC7^^^&2.999.1.2&ISO", "PID-5|VANDERMEER^ANNA^MARIA", "PID-7|19610817",
        "PID-8|F",
                          "PID-11|Quay 4^^Harbour Vale^^1011AB^NL"),
    "referenceIdList": ("V7^^^HVGH^urn:ihe:iti:xds:2015:encounterId", "A25^^^&2.999.1.1&ISO^urn:ihe:iti:xds:2013:accession",
                        "2.999.7^^^^urn:ihe:iti:xds:2016:studyInstanceUID"),
}


def test_a_document_there_and_back():
    entry = document(**COMPLETE, **RICH).copy(**KEPT)
    resource = mhd.to_fhir(entry, url="http://127.0.0.1/fhir/Binary/1", patients="http://127.0.0.1/p")
    assert mhd.from_fhir(resource) == entry.copy(repositoryUniqueId=None)               # which is said by the url
    assert resource["subject"] == {"type": "Patient", "identifier": {"system": "urn:oid:2.999.1.9", "value": "NM100017"},
                                   "reference": "http://127.0.0.1/p/Patient/2.999.1.9.NM100017"}


def test_lists_there_and_back():
    recipients = ("ECC^^^^^^^^^2.999.1.2|9^O'BRIEN^MAEVE|^^Internet^maeve@ecc.example", "ECC^^^^^^^^^2.999.1.2",
        "||^^Internet^gp@example.org")
    one = submission_set(author=(Author("1^A"),), intendedRecipient=recipients, title="t", comments="c").copy(**KEPT)
    assert mhd.from_fhir(mhd.to_fhir(one)) == one and mhd.kind_of(mhd.to_fhir(one)) == SET
    other = submission_set(author=(Author("", ("HVGH",)),)).copy(**KEPT)
    resource = mhd.to_fhir(other)
    assert "reference" not in resource["source"] and mhd.from_fhir(resource) == other    # an organization is an extension of source
    two = folder(lastUpdateTime="20250330014600", codeList=(Code("a", "2.999"), Code("b", "2.999", "B"))).copy(**KEPT)
    assert mhd.from_fhir(mhd.to_fhir(two)) == two and mhd.kind_of(mhd.to_fhir(two)) == FOLDER


def test_every_attribute_has_its_line_or_is_named_as_lost():
    lost = {DOCUMENT: {"homeCommunityId", "logicalID", "URI", "repositoryUniqueId", "objectType", "limitedMetadata"},
            SET: {"homeCommunityId", "limitedMetadata"}, FOLDER: {"homeCommunityId", "logicalID", "limitedMetadata"}}
    for kind, attributes in facts.ATTRIBUTES.items():
        assert {row.attribute for row in mhd.MAPPING[kind]} | lost[kind] == {one.name for one in attributes}
        assert {row.form for row in mhd.MAPPING[kind]} <= set(mhd.FORMS)
    for kind, prefix, query in ((DOCUMENT, "$XDSDocumentEntry", "FindDocumentsByReferenceId"),
                                (SET, "$XDSSubmissionSet", "FindSubmissionSets"), (FOLDER, "$XDSFolder", "FindFolders")):
        ends = {f"{ask}{end}" for one in mhd.SEARCHES[kind].values() for ask in one.asks
                for end in (("From", "To") if one.form == "date" else ("",))}
        unknown = {"$XDSDocumentEntryType"}                                             # which FHIR can't ask for
        assert {f"{prefix}{end}" for end in ends} == set(facts.QUERIES[query].parameters) - unknown


def test_associations_are_those_of_the_concept_map():
    codes = ("replaces", "transforms", "appends", "signs", "replaces", "transforms")
    assert mhd.RELATES == dict(zip((facts.RPLC, facts.XFRM, facts.APND, facts.SIGNS, facts.XFRM_RPLC, facts.SNAPSHOT), codes, strict=True))


def test_the_elements_are_those_of_fhir():
    """As the tables of MHD 3:4.5.1 name them, written by hand."""
    resource = mhd.to_fhir(document(**COMPLETE, **RICH).copy(**KEPT), url="http://127.0.0.1/1")
    assert resource["masterIdentifier"] == {"use": "usual", "system": "urn:ietf:rfc:3986", "value": "urn:oid:2.999.5.1"}
    assert resource["identifier"] == [{"use": "official", "system": "urn:ietf:rfc:3986", "value": UUID}] and resource["id"] == UUID[9:]
    assert resource["status"] == "current" and resource["type"] == {"coding": [{"system": "http://loinc.org", "code": "18748-4"}]}
    assert resource["category"] == [{"coding": [{"system": "urn:oid:2.999.1.9.11", "code": "IMAGES", "display": "Images"}]}]
    assert resource["securityLabel"][0]["coding"][0]["system"] == "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
    content, = resource["content"]
    assert content["attachment"] == {
        "contentType": "application/dicom", "language": "en-US", "url": "http://127.0.0.1/1", "size": 0,
        "hash": "2jmj7l5rSw0yVb/vlWAYkK/YBwk=",
        "title": "CT head & neck", "creation": "2025-03-30T01:45:00Z"}                  # the hash as MHD 2:3.67.4.2.2.1.3 has it
    assert content["format"] == {"system": "http://dicom.nema.org/resources/ontology/DCMUID", "code": "1.2.840.10008.5.1.4.1.1.88.59"}
    context = resource["context"]
    assert context["period"] == {"start": "2025-03-30T01:41:03Z", "end": "2025-04"} and len(context["event"]) == 2
    assert context["encounter"][0]["identifier"]["value"] == "V7"
    assert context["related"] == [                                                      # the first as ITI TF-2 Z.9.1.2 writes it
        {"identifier": {"type": {"coding": [{"system": "urn:ietf:rfc:3986", "code": "urn:ihe:iti:xds:2013:accession"}]},
                        "system": "urn:oid:2.999.1.1", "value": "A25"}},
        {"identifier": {"type": {"coding": [{"system": "urn:ietf:rfc:3986", "code": "urn:ihe:iti:xds:2016:studyInstanceUID"}]},
                        "system": "urn:ietf:rfc:3986", "value": "urn:oid:2.999.7"}}]
    made = mhd.to_fhir(submission_set(intendedRecipient=("ECC",)).copy(**KEPT))
    assert {one["url"].rpartition("/")[2] for one in made["extension"]} == {"ihe-designationType", "ihe-sourceId", "ihe-intendedRecipient"}
    assert made["mode"] == "working" and made["code"]["coding"][0]["code"] == "submissionset"


@pytest.mark.parametrize("written, dtm", [
    ("2025", "2025"), ("2025-03", "202503"), ("2025-03-30", "20250330"), ("2025-03-30T01:45:00Z", "20250330014500"),
    ("2025-03-30T01:45:00.123+02:00", "20250329234500"), ("2025-12-31T23:50:50-05:00", "20260101045050"),
])
def test_times_are_utc(written, dtm):
    assert mhd.span(written)[0] == dtm


@pytest.mark.parametrize("written, behind", [
    ("2025", "20260101000000"), ("2025-12", "20260101000000"), ("2025-02", "20250301000000"), ("2025-02-28", "20250301000000"),
    ("2025-02-28T23:59Z", "20250301000000"), ("2025-02-28T23:59:59Z", "20250301000000"),
])
def test_how_long_a_time_lasts(written, behind):
    assert mhd.span(written)[1] == behind


@pytest.mark.parametrize("written", ["", "25", "2025-13", "2025-02-30", "20250330", "2025-03-30T25:00:00Z", "9999", "2025-03-30 01:45"])
def test_what_is_no_time(written):
    with pytest.raises(mhd.BadResource, match="no date or time"):
        mhd.span(written)


OTHERS = {      # a DocumentReference as others write it: MHD 4.0's examples, invented people and OIDs
    "resourceType": "DocumentReference", "id": "d1", "contained": [
        {"resourceType": "Patient", "id": "p", "identifier": [{"system": "urn:oid:2.999.1.1", "value": "HV9"}], "name": [
            {"family": "Smit", "given": ["Dee"]}]},
        {"resourceType": "Organization", "id": "o", "name": "Harbour Vale"}],
    "masterIdentifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"},
    "identifier": [{"system": "http://example.org/documents", "value": "17"}, {"system": "urn:ietf:rfc:3986", "value": UUID.upper().replace(
        "URN:UUID", "urn:uuid")}],
    "status": "current", "type": {"coding": [{"system": "http://loinc.org", "code": "60591-5"}], "text": "summary"},
    "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "1"}]}], "subject": {"reference": "Patient/2.999.1.9.NM9"},
    "date": "2020-02-01T23:50:50-05:00", "author": [{"reference": "#o"}, {"display": "Somebody"}],
    "content": [{"attachment": {"contentType": "text/plain", "url": "urn:uuid:b",
        "hash": "MGE0ZDU1YThkNzc4ZTUwMjJmYWI3MDE5NzdjNWQ4NDBiYmM0ODZkMA=="}}],
    "context": {"sourcePatientInfo": {"reference": "#p"}, "related": [
        {"identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:oid:2.999.7"}}, {"reference": "ServiceRequest/1"}]},
}


def test_what_others_write():
    entry = mhd.from_fhir(OTHERS)
    assert entry["hash"] == "0a4d55a8d778e5022fab701977c5d840bbc486d0"                  # base64 of the hexadecimal text, before CP-ITI-1325
    assert entry["uniqueId"] == "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0" and entry.id == UUID
    assert entry["creationTime"] == "20200202045050" and entry["patientId"] == "NM9^^^&2.999.1.9&ISO"
    assert entry["author"] == (Author("", ("Harbour Vale",)), Author("^Somebody"))
    assert entry["sourcePatientId"] == "HV9^^^&2.999.1.1&ISO" and entry["sourcePatientInfo"] == ("PID-5|Smit^Dee",)
    assert entry["referenceIdList"] == ("2.999.7^^^^urn:ihe:iti:xds:2013:uniqueId",)
    extension = {**OTHERS, "masterIdentifier": {"system": "urn:oid:2.999.5", "value": "84566"}}
    assert mhd.from_fhir(extension)["uniqueId"] == "2.999.5^84566"                      # Z.9.1.1
    in_bundle = {**OTHERS, "subject": {"reference": "urn:uuid:p"}}
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:oid:2.999.1.9", "value": "NM8"}]}
    assert mhd.from_fhir(in_bundle, {"urn:uuid:p": patient})["patientId"] == "NM8^^^&2.999.1.9&ISO"


def test_mhd_4_0_writes_http():
    made = mhd.to_fhir(submission_set().copy(**KEPT))
    older = {**made, "extension": [{**one, "url": one["url"].replace("https:", "http:")} for one in made["extension"]], "identifier": [
        {"use": "official", "system": "urn:ietf:rfc:3986", "value": "urn:oid:2.999.6.1"},
        {"use": "usual", "system": "http://example.org/documents", "value": "23"}]}
    assert mhd.from_fhir(older) == submission_set().copy(entryUUID=None, availabilityStatus=facts.APPROVED)


@pytest.mark.parametrize("change, said", [
    ({"subject": {"reference": "Patient/17"}}, "no patient ID is known"),
    ({"subject": {"identifier": {"value": "1"}}}, "no system urn:oid"),
    ({"subject": 5}, "subject is not what"), ({"type": {"text": "summary"}}, "needs a code and its system"),
    ({"type": {"coding": [{"system": "http://loinc.org", "code": 5}]}}, "holds what is no text"),
    ({"description": "a\0b"}, "holds what is no text"), ({"description": "\ud800"}, "holds what is no text"),
    ({"description": {"a": 1}}, "holds what is no text"), ({"date": "yesterday"}, "no date or time"),
    ({"content": [{"attachment": {"size": "5"}}]}, "no number"),
    ({"content": [{"attachment": {"size": True}}]}, "no number"), ({"content": [{"attachment": {"hash": "%"}}]}, "no base64"),
    ({"content": [{"attachment": {"hash": 7}}]}, "hash is not what"), ({"author": ["x"]}, "author is not what"),
    ({"contained": [{"id": "o"}]}, "is not what"), ({"masterIdentifier": {"system": "urn:ietf:rfc:3986"}}, "masterIdentifier is not what"),
    ({"context": {"sourcePatientInfo": {"reference": "Patient/1"}}}, "is not what"),
    ({"resourceType": "List"}, "neither a DocumentReference nor a List"), ({"resourceType": "Patient"}, "neither"),
])
def test_what_can_not_be_read_is_told(change, said):
    with pytest.raises(mhd.BadResource, match=said):
        mhd.from_fhir({**copy.deepcopy(OTHERS), **change})


def test_what_is_no_resource():
    for wrong in (None, [], "x", {}, {"resourceType": ["List"]}):
        with pytest.raises(mhd.BadResource):
            mhd.from_fhir(wrong)


def test_code_systems():
    assert mhd.system_of("2.16.840.1.113883.6.1") == "http://loinc.org" and mhd.scheme_of("http://loinc.org") == "2.16.840.1.113883.6.1"
    for scheme in (*mhd.SYSTEMS, "2.999.1", "Connect-a-thon classCodes", "urn:x:y", "http://example.org/a"):
        assert mhd.scheme_of(mhd.system_of(scheme)) == scheme and " " not in mhd.system_of(scheme)
    assert len(mhd.SCHEMES) == len(mhd.SYSTEMS)
