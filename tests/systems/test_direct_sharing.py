"""Documents point to point: what a recipient takes, keeps, and refuses."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from lxml import etree

from coursekit.standards import soap
from coursekit.standards.xds import facts, metadata
from coursekit.standards.xds.facts import DOCUMENT, SET
from coursekit.standards.xds.metadata import Entry, association
from coursekit.systems import document_sharing as sharing
from coursekit.systems.direct_sharing import DocumentRecipient
from coursekit.systems.web import NoAnswer, ask
from tests.standards.test_xds_metadata import COMPLETE, SCHEMAS, document, folder, submission, submission_set

ECC, HVGH = "ECC^^^^^^^^^2.999.1.2", "Harbour Vale^^^^^^^^^2.999.1.1"


@pytest.fixture
def recipient():
    with DocumentRecipient(people=["dr.okafor@ecc.example", "9001"]) as recipient:
        yield recipient


def send(recipient, number=1, octets=b"\0\xffdocument", recipients=(ECC,), links=(), **more):
    entries = [*submission(number, document(number, **more), **({"intendedRecipient": recipients} if recipients else {})), *links]
    return sharing.provide(recipient.url, entries, {f"Document{number:02}": octets})


def codes(answer):
    return answer.status.rpartition(":")[2], [problem.code for problem in answer.problems], {problem.warning for problem in answer.problems}


def limited(number=1, **more):
    """The least that a metadata-limited source may send."""
    return [Entry(DOCUMENT, {"entryUUID": "D", "mimeType": "text/plain", "objectType": facts.STABLE, "uniqueId": f"2.999.5.{number}",
                             "limitedMetadata": True, **more}),
            Entry(SET, {"entryUUID": "S", "submissionTime": "20250330014600", "sourceId": "2.999.3", "uniqueId": f"2.999.6.{number}",
                        "limitedMetadata": True}), association(facts.HAS_MEMBER, "S", "D", facts.ORIGINAL)]


@pytest.mark.skipif(not SCHEMAS, reason="COURSEKIT_SCHEMAS names no folder with the published schemas")
def test_the_published_schema_agrees():
    schema = etree.XMLSchema(etree.parse(str(Path(SCHEMAS) / "xds" / "lcm.xsd")))
    for entries in (limited(), submission(1, document(1), folder(1), intendedRecipient=(ECC, "||^^Internet^dr.okafor@ecc.example"))):
        request = etree.Element(f"{{{facts.LCM}}}SubmitObjectsRequest")
        request.append(metadata.write(entries))
        schema.assertValid(request)
        assert metadata.read(request[0])[0] == entries


def test_what_is_taken(recipient):
    octets = bytes(range(256)) * 2_000
    assert send(recipient, 1, octets).status == facts.SUCCESS and send(recipient, 2, recipients=()).status == facts.SUCCESS
    assert sharing.provide(recipient.url, limited(3), {"D": b"x"}).status == facts.SUCCESS
    table = recipient.received()
    assert list(table.submission) == ["2.999.6.1", "2.999.6.2", "2.999.6.3"] and list(table.limited) == [False, False, True]
    first = table.iloc[0].to_dict()
    assert first == {"submission": "2.999.6.1", "time": "20250330014600", "source": "2.999.3", "recipients": ECC,
                     "patient": "NM100017^^^&2.999.1.9&ISO", "document": "2.999.5.1", "title": "CT head & neck",
                     "media_type": "application/dicom", "size": 512_000, "limited": False}
    assert recipient.document("2.999.6.1", "2.999.5.1") == octets
    assert recipient.entries("2.999.6.3")[0]["limitedMetadata"] is True and "patientId" not in recipient.entries("2.999.6.3")[0]
    assert repr(recipient) == "<document recipient ECC_RECIPIENT runs: 3 documents, 6 events>"
    for wrong in (("2.999.6.9", "2.999.5.1"), ("2.999.6.1", "2.999.5.2")):
        with pytest.raises(KeyError):
            recipient.document(*wrong)


@pytest.mark.parametrize("to, reached", [
    ("ECC", True), (ECC, True), ("Eastside^^^^^^^^^2.999.1.2", True), ("ECC^^^^^^^^^2.999.1.1", False), (HVGH, False),
    ("||^^Internet^dr.okafor@ecc.example", True), ("||^^Internet^dr.else@ecc.example", False), ("|9001^OKAFOR^ADA", True),
    ("|9002^X", False),
    (f"{ECC}|9002^X", True), (f"{HVGH}|9001^OKAFOR", False), ("|^OKAFOR^ADA", False), ("||", False),
])
def test_whom_it_reaches(to, reached):
    recipient = DocumentRecipient(people=["dr.okafor@ecc.example", "9001"])
    assert recipient._reaches(to) == reached


def test_recipients_that_are_not_here(recipient):
    assert codes(send(recipient, 1, recipients=(HVGH,))) == ("Failure", ["UnknownRecipient"], {False})
    assert codes(send(recipient, 1, recipients=(HVGH, "X"))) == ("Failure", ["UnknownRecipient"] * 2, {False})
    assert recipient.received().empty
    assert codes(send(recipient, 1, recipients=(HVGH, ECC))) == ("Success", ["UnknownRecipient"], {True})
    assert list(recipient.received().document) == ["2.999.5.1"]


@pytest.mark.parametrize("more, code", [
    ({"hash": "0" * 40}, "XDSRepositoryMetadataError"), ({"size": "3"}, "XDSRepositoryMetadataError"),
    ({"languageCode": ""}, "XDSRepositoryMetadataError"), ({"patientId": "NM1"}, "XDSPatientIdDoesNotMatch"),
    ({"uniqueId": "2.999.6.1"}, "XDSRepositoryDuplicateUniqueIdInMessage"),
])
def test_metadata_that_are_refused(recipient, more, code):
    status, found, _ = codes(send(recipient, 1, **more))
    assert status == "Failure" and code in found and recipient.received().empty


def test_documents_and_entries_that_do_not_fit(recipient):
    assert codes(sharing.provide(recipient.url, submission(1, document(1)), {})) == ("Failure", ["XDSMissingDocument"], {False})
    extra = sharing.provide(recipient.url, submission(1, document(1)), {"Document01": b"x", "Document02": b"y"})
    assert codes(extra) == ("Failure", ["XDSMissingDocumentMetadata"], {False})
    written = etree.tostring(metadata.write(submission(1, document(1))))
    twice = written.replace(b'<rim:Slot name="creationTime">', b'<rim:Slot name="languageCode">')
    body = etree.Element(f"{{{facts.XDSB}}}ProvideAndRegisterDocumentSetRequest")
    etree.SubElement(body, f"{{{facts.LCM}}}SubmitObjectsRequest").append(etree.fromstring(twice))
    refused = sharing.sent(recipient.url, soap.Message(facts.ACTIONS["ITI-41"][0], body, packaged=True))
    assert codes(refused) == ("Failure", ["XDSRepositoryMetadataError"], {False})       # never the registry's code
    assert recipient.received().empty


def test_limited_metadata():
    sound = limited()
    assert metadata.check(sound, "XDR") == [] and metadata.read(metadata.write(sound)) == (sound, [])
    for place, name in ((0, "mimeType"), (0, "uniqueId"), (1, "sourceId"), (1, "submissionTime"), (1, "uniqueId")):
        wrong = [one.copy(**{name: None}) if number == place else one for number, one in enumerate(sound)]
        assert [problem.context.endswith(f"{name} is missing.") for problem in metadata.check(wrong, "XDR")] == [True], name
    unflagged = [one.copy(limitedMetadata=None) for one in sound]
    told = {problem.context.rpartition(": ")[2] for problem in metadata.check(unflagged, "XDR")}
    assert {"classCode is missing.", "patientId is missing.", "contentTypeCode is missing."} <= told
    mixed = [sound[0], submission_set(2), association(facts.HAS_MEMBER, "Set01", "D", facts.ORIGINAL)]
    assert metadata.check(mixed, "XDR") == []                                            # each object speaks for itself
    bad = limited(languageCode="english_US")
    assert "language tag" in metadata.check(bad, "XDR")[0].context                       # what is said has to be right
    for transaction in ("ITI-41", "ITI-42"):
        flagged = submission(1, document(1, **COMPLETE, limitedMetadata=True))
        assert ["does not belong in XDS" in problem.context for problem in metadata.check(flagged, transaction)].count(True) == 1


def test_folders_and_relations_are_kept_but_mean_nothing(recipient):
    elsewhere = "urn:uuid:00000000-0000-4000-8000-000000000001"
    links = [association(kind, "Document01", elsewhere) for kind in (facts.RPLC, facts.APND, facts.XFRM, facts.XFRM_RPLC, facts.SIGNS)]
    entries = [*submission(1, document(1), folder(1), intendedRecipient=(ECC,)), *links]
    answer = sharing.provide(recipient.url, entries, {"Document01": b"x"})
    assert codes(answer) == ("Success", [
        "PartialFolderContentNotProcessed", "PartialReplaceContentNotProcessed", "PartialAppendContentNotProcessed",
        "PartialTransformNotProcessed", "PartialTransformReplaceNotProcessed", "PartialRelationshipContentNotProcessed"], {True})
    assert recipient.entries("2.999.6.1") == entries
    assert {problem.code for problem in answer.problems} <= set(facts.ERRORS)


def test_a_submission_that_comes_again(recipient):
    entries = submission(1, document(1))
    for _ in range(2):
        assert sharing.provide(recipient.url, entries, {"Document01": b"x"}).status == facts.SUCCESS
    assert len(recipient.received()) == 1
    for other, octets in ((entries, b"y"), (submission(1, document(1, title="other")), b"x")):
        refused = sharing.provide(recipient.url, other, {"Document01": octets})
        assert codes(refused) == ("Failure", ["XDSDuplicateUniqueIdInRegistry"], {False})
    assert recipient.document("2.999.6.1", "2.999.5.1") == b"x"


def test_what_can_not_be_kept_is_not_kept_by_half(recipient, monkeypatch):
    def full(statement, rows):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(recipient._database, "run_many", full)
        assert codes(send(recipient)) == ("Failure", ["XDSRepositoryError"], {False}) and len(recipient.received()) == 0
    assert send(recipient).status == facts.SUCCESS and len(recipient.received()) == 1


def test_what_is_no_submission_gets_a_fault(recipient):
    with pytest.raises(soap.Fault, match="not served here"):
        ask(recipient.url, soap.Message(facts.ACTIONS["ITI-18"][0], etree.fromstring("<a/>")))
    with pytest.raises(soap.Fault, match="ProvideAndRegisterDocumentSetRequest"):
        ask(recipient.url, soap.Message(facts.ACTIONS["ITI-41"][0], etree.fromstring("<a/>"), packaged=True))
    with pytest.raises(soap.Fault, match="MTOM"):
        body = etree.Element(f"{{{facts.XDSB}}}ProvideAndRegisterDocumentSetRequest")
        ask(recipient.url, soap.Message(facts.ACTIONS["ITI-41"][0], body))
    assert send(recipient).status == facts.SUCCESS


def test_what_was_taken_is_there_again(tmp_path):
    with DocumentRecipient(folder=tmp_path) as recipient:
        send(recipient, 1, b"kept")
    assert "is stopped" in repr(recipient)
    with DocumentRecipient(folder=tmp_path) as again:
        assert list(again.received().document) == ["2.999.5.1"] and again.document("2.999.6.1", "2.999.5.1") == b"kept"


TO_KILL = """
import sys, time
from coursekit.systems.direct_sharing import DocumentRecipient
print(DocumentRecipient(folder=sys.argv[1]).start().port, flush=True)
time.sleep(300)
"""


def test_killed_in_the_middle_nothing_is_half_kept(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", TO_KILL, str(tmp_path)], stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
    answered = []
    try:
        url = f"http://127.0.0.1:{int(process.stdout.readline())}/"
        killer = threading.Timer(0.3, process.kill)
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            number = len(answered) + 1
            if number == 2:                             # on a slow machine even the first takes its time
                killer.start()
            entries = submission(number, document(number), document(number + 10_000))
            try:
                sharing.provide(url, entries, {f"Document{number:02}": b"a", f"Document{number + 10_000}": b"b"})
            except (NoAnswer, soap.BadSoap):
                break
            answered.append(f"2.999.6.{number}")
        assert answered
        killer.join()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    with DocumentRecipient(folder=tmp_path) as again:
        counts = again.received().groupby("submission").size()
        assert set(answered) <= set(counts.index) and set(counts) == {2}
