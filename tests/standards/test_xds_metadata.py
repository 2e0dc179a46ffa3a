"""The metadata of shared documents, as objects and as ebRIM."""

import os
from pathlib import Path

import pytest
from lxml import etree

from coursekit.standards.xds import facts
from coursekit.standards.xds.facts import ASSOCIATION, DOCUMENT, FOLDER, SET
from coursekit.standards.xds.metadata import Author, Code, Entry, association, check, element, is_cx, is_oid, read, write

PATIENT = "NM100017^^^&2.999.1.9&ISO"
SCHEMAS = os.environ.get("COURSEKIT_SCHEMAS")                               # a folder with the published schemas


def document(number=1, patient=PATIENT, **more):
    """A document entry of an invented patient."""
    return Entry(DOCUMENT, {
        "entryUUID": f"Document{number:02}", "mimeType": "application/dicom", "objectType": facts.STABLE, "creationTime": "20250330014500",
        "languageCode": "en-US", "sourcePatientId": "HV100234^^^&2.999.1.1&ISO", "classCode": Code("IMAGES", "2.999.1.9.11", "Images"),
        "confidentialityCode": (Code("N", "2.16.840.1.113883.5.25", "normal"),), "eventCodeList": (Code("CT", "1.2.840.10008.2.16.4"),),
        "formatCode": Code("1.2.840.10008.5.1.4.1.1.88.59", "1.2.840.10008.2.6.1"), "typeCode": Code("18748-4", "2.16.840.1.113883.6.1"),
        "healthcareFacilityTypeCode": Code("HOSP", "2.999.1.9.13"), "practiceSettingCode": Code("RAD", "2.999.1.9.12"), "patientId": patient,
        "uniqueId": f"2.999.5.{number}", "author": (Author("1011^TERBRUGGEN^JORIS^^^DR", ("HVGH",), ("radiologist",)),),
        "referenceIdList": ("A2503300017^^^&2.999.1.1&ISO^urn:ihe:iti:xds:2013:accession",), "title": "CT head & neck",
        "serviceStartTime": "20250330014103", **more})


def submission_set(number=1, patient=PATIENT, **more):
    return Entry(SET, {"entryUUID": "Set01", "submissionTime": "20250330014600", "contentTypeCode": Code("IMAGES", "2.999.1.9.11"),
                       "patientId": patient, "sourceId": "2.999.3", "uniqueId": f"2.999.6.{number}", **more})


def folder(number=1, patient=PATIENT, **more):
    return Entry(FOLDER, {"entryUUID": f"Folder{number:02}", "title": "Stroke", "codeList": (Code("STROKE", "2.999.1.9.15"),),
                          "patientId": patient, "uniqueId": f"2.999.7.{number}", **more})


def submission(number, *objects, **more):
    """A submission of documents and folders in one set."""
    members = [association(facts.HAS_MEMBER, "Set01", one.id, facts.ORIGINAL if one.kind == DOCUMENT else None) for one in objects]
    return [*objects, submission_set(number, **more), *members]


COMPLETE = {"hash": "da39a3ee5e6b4b0d3255bfef95601890afd80709", "size": "0", "repositoryUniqueId": "2.999.1.1.71"}


def test_what_is_written_is_read_again():
    entries = [document(**COMPLETE, comments="x < y", legalAuthenticator="1011^T^J"), folder(), submission_set(author=(Author("1^A"), Author("2^B"))),
               association(facts.HAS_MEMBER, "Set01", "Document01", facts.ORIGINAL),
               association(facts.RPLC, "Document01", "urn:uuid:00000000-0000-4000-8000-000000000001")]
    entries[0].extra["urn:hvgh:floor"] = ("3",)
    assert read(write(entries)) == (entries, [])
    again, problems = read(etree.fromstring(etree.tostring(write(entries))))
    assert again == entries and not problems


def test_a_classification_may_stand_beside_its_package():
    made = write([submission_set()])
    inside = made[0].find(f"{{{facts.RIM}}}Classification[@classificationNode]")
    made.append(inside)
    (entry,), problems = read(made)
    assert entry.kind == SET and not problems
    made.remove(inside)
    entries, problems = read(made)
    assert not entries and "neither as a SubmissionSet nor as a Folder" in problems[0].context


def test_values_that_have_no_room_are_told():
    made = element(document())
    made.append(element(document())[-1])                                    # a second uniqueId
    made.insert(0, element(document())[0])                                  # a slot twice
    _, problems = read(etree.fromstring(f"<x xmlns:rim='{facts.RIM}'>{etree.tostring(made).decode()}</x>"))
    assert sorted(problem.context.split(":")[-1].strip() for problem in problems) == [
        "The slot creationTime comes twice in Document01.", "uniqueId may have one value, and has 2."]


def test_a_sound_submission():
    assert check(submission(1, document(**COMPLETE), folder())) == []
    assert check(submission(1, document()), "ITI-41") == []
    demand = document(**{**COMPLETE, "objectType": facts.ON_DEMAND})
    demand = demand.copy(creationTime=None, hash=None, size=None)
    assert check(submission(1, demand)) == []


@pytest.mark.parametrize("name", [one.name for one in facts.ATTRIBUTES[DOCUMENT] if one.needed])
def test_each_attribute_that_a_document_needs(name):
    changed = document(**COMPLETE).copy(**{name: None})
    entries = [changed, submission_set(), association(facts.HAS_MEMBER, "Set01", "Document01", facts.ORIGINAL)]
    assert any(f"{name} is missing" in problem.context for problem in check(entries))


@pytest.mark.parametrize("change, said, code", [
    ({"creationTime": "2025-03-30"}, "a time in UTC", "XDSRegistryMetadataError"),
    ({"creationTime": "20250330014500+0100"}, "a time in UTC", "XDSRegistryMetadataError"),
    ({"creationTime": "20251301"}, "a time in UTC", "XDSRegistryMetadataError"),
    ({"hash": "12"}, "40 hexadecimal", "XDSRegistryMetadataError"), ({"size": "-1"}, "number of bytes", "XDSRegistryMetadataError"),
    ({"sourcePatientId": "HV1^^^HVGH&2.999.1.1&ISO"}, "assigning authority", "XDSRegistryMetadataError"),
    ({"sourcePatientId": "HV1^^^&2.999.1.1&ISO^MR"}, "assigning authority", "XDSRegistryMetadataError"),
    ({"classCode": Code("IMAGES", "")}, "code and a coding scheme", "XDSRegistryMetadataError"),
    ({"languageCode": "english_US"}, "language tag", "XDSRegistryMetadataError"),
    ({"objectType": facts.STABLE[:-1] + "0"}, "stable", "XDSRegistryMetadataError"),
    ({"serviceStartTime": "20250331", "serviceStopTime": "20250330"}, "later than", "XDSRegistryMetadataError"),
    ({"uniqueId": "2.999.05"}, "an OID", "XDSRegistryMetadataError"), ({"repositoryUniqueId": "urn:oid:2.999"}, "an OID", "XDSRegistryMetadataError"),
    ({"author": (Author("", (), ("radiologist",)),)}, "a person, an institution", "XDSRegistryMetadataError"),
    ({"uniqueId": "2.999.6.1"}, "comes twice", "XDSRegistryDuplicateUniqueIdInMessage"),
    ({"patientId": "NM2^^^&2.999.1.9&ISO"}, "concern one patient", "XDSPatientIdDoesNotMatch"),
    ({"referenceIdList": ("A1^^^&2.999&ISO",)}, "fifth component", "XDSRegistryMetadataError"),
])
def test_what_is_wrong_is_told_with_its_code(change, said, code):
    problem, = check(submission(1, document(**{**COMPLETE, **change})))
    assert said in problem.context and problem.code == code


def test_what_is_wrong_with_a_submission_as_a_whole():
    assert "assigning authority" in check(submission(1, document(patient="NM100017", **COMPLETE), patient="NM100017"))[0].context
    one = document(**COMPLETE)
    assert "holds one SubmissionSet; this one holds 0" in check([one])[0].context
    assert any("no member of the SubmissionSet" in problem.context for problem in check([one, submission_set()]))
    link = association(facts.HAS_MEMBER, "Set01", "Document01")
    assert any("SubmissionSetStatus with Original" in problem.context for problem in check([one, submission_set(), link]))
    odd = association("urn:ihe:iti:2007:AssociationType:rplc", "Document01", "x")
    assert any("no type of association" in problem.context for problem in check([*submission(1, one), odd]))
    repository = check(submission(1, document(languageCode="")), "ITI-41")
    assert [problem.code for problem in repository] == ["XDSRepositoryMetadataError"]


def test_identifiers():
    assert is_oid("2.999.1") and is_oid("1.2.840.10008.1.1") and not is_oid("2.999.01") and not is_oid("3.1") and not is_oid("2." + "1" * 70)
    assert is_cx("P1^^^&2.999.1&ISO") and not is_cx("P1^^^NMH&2.999.1&ISO") and not is_cx("P1^^^&2.999.1&ISO^MR") and not is_cx("^^^&2.999.1&ISO")


def test_the_facts_agree_with_each_other():
    for kind, attributes in facts.ATTRIBUTES.items():
        keys = [one.key for one in attributes if one.carrier in ("code", "author", "identifier")]
        assert len(set(keys)) == len(keys) and all(len(key) == 45 for key in keys), kind
    assert len({query.id for query in facts.QUERIES.values()}) == 14
    for name, query in facts.QUERIES.items():
        known = {one.name for attributes in facts.ATTRIBUTES.values() for one in attributes} | {"", "entryUUID"}
        assert all(parameter.attribute in known for parameter in query.parameters.values()), name
        assert set(query.one_of) <= set(query.parameters)


@pytest.mark.skipif(not SCHEMAS, reason="COURSEKIT_SCHEMAS names no folder with the published schemas")
def test_the_published_schema_agrees():
    schema = etree.XMLSchema(etree.parse(str(Path(SCHEMAS) / "xds" / "lcm.xsd")))
    request = etree.Element(f"{{{facts.LCM}}}SubmitObjectsRequest")
    request.append(write([*submission(1, document(**COMPLETE, comments="x", URI=("a.dcm",)), folder(comments="y", lastUpdateTime="20250330")),
                          association(facts.RPLC, "Document01", "urn:uuid:00000000-0000-4000-8000-000000000001").copy(
                              reasons=(Code("a", "2.999", "b"),))]))
    schema.assertValid(request)
    assert {entry.kind for entry in read(request[0])[0]} == {DOCUMENT, FOLDER, SET, ASSOCIATION}
