"""Each transaction of document sharing leaves a record that others can read."""

import os
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from lxml import etree

from coursekit.standards import audit, hl7, soap
from coursekit.standards.xds import facts
from coursekit.standards.xds.facts import APPROVED
from coursekit.systems import document_sharing as sharing
from coursekit.systems.audit_repository import AuditRepository, AuditSender
from coursekit.systems import mllp
from coursekit.systems.fhir_patients import FhirPatients
from coursekit.systems.gateways import InitiatingGateway, RespondingGateway
from coursekit.systems.patient_index import Identifier, Person
from coursekit.systems.pix_manager import PixManager
from coursekit.systems.registry import Registry
from coursekit.systems.repository import Repository
from coursekit.systems.transaction_audit import TransactionAudit
from tests.standards.test_xds_metadata import PATIENT, SCHEMAS, document, submission


@pytest.fixture
def trail():
    with AuditRepository() as trail, Registry() as registry, Repository(registry=registry.url) as repository, \
            AuditSender("127.0.0.1", trail.port) as one, AuditSender("127.0.0.1", trail.port) as other:
        registry.audit = TransactionAudit(one, "nmh-registry", lambda: "2025-04-07T06:00:00Z")
        repository.audit = TransactionAudit(other, "hv-repository", lambda: "2025-04-07T06:00:00Z")
        registry.know(PATIENT)
        sharing.provide(repository.url, submission(1, document(1)), {"Document01": b"x"}, sender="HV_SOURCE")
        sharing.query(registry.url, "FindDocuments", {"$XDSDocumentEntryPatientId": PATIENT, "$XDSDocumentEntryStatus": [APPROVED]}, sender="EMR")
        sharing.retrieve(repository.url, [(repository.unique_id, "2.999.5.1")], sender="EMR")
        sharing.provide(repository.url, submission(1, document(2)), {"Document02": b"x"}, sender="HV_SOURCE")
        assert trail.settle(8)
        yield trail


def test_who_did_what_to_whose_data(trail):
    records = trail.records().sort_values(["host", "event_type"], kind="stable")
    assert set(records.problems) == {""}
    assert [tuple(row) for row in records[["host", "event_type", "event", "action", "outcome"]].itertuples(index=False)] == [
        ("hv-repository", "ITI-41", "110107", "C", "0"), ("hv-repository", "ITI-41", "110107", "C", "8"),
        ("hv-repository", "ITI-42", "110106", "R", "0"), ("hv-repository", "ITI-42", "110106", "R", "8"),
        ("hv-repository", "ITI-43", "110106", "R", "0"), ("nmh-registry", "ITI-18", "110112", "E", "0"),
        ("nmh-registry", "ITI-42", "110107", "C", "0"), ("nmh-registry", "ITI-42", "110107", "C", "8")]
    by_type = {row.event_type: row for row in records.itertuples()}
    assert by_type["ITI-18"].users == "EMR, NMH_REGISTRY" and by_type["ITI-42"].users == "HV_REPOSITORY, NMH_REGISTRY"
    assert by_type["ITI-18"].patients == PATIENT == by_type["ITI-41"].patients and by_type["ITI-43"].patients == ""


def test_the_query_and_the_documents_are_in_it(trail):
    numbers = {row.event_type: row.Index for row in trail.records().itertuples()}
    query = audit.read(audit.read_syslog(trail.message(numbers["ITI-18"])).text)
    asked = next(one for one in query["objects"] if one["role"] == "24")
    assert b"$XDSDocumentEntryPatientId" in asked["query"] and asked["id"].startswith("urn:uuid:14d4debf")
    retrieved = audit.read(audit.read_syslog(trail.message(numbers["ITI-43"])).text)["objects"]
    assert [one["id"] for one in retrieved] == ["2.999.5.1"] and retrieved[0]["details"] == {"Repository Unique Id": b"2.999.1.1.72"}


def test_who_asks_is_the_requestor_whoever_the_source_is(trail):
    asked, given = (read(trail, name)["participants"] for name in ("ITI-18", "ITI-43"))
    assert [(one["user_id"], one["roles"], one["requestor"]) for one in asked] == [
        ("EMR", ["110153"], True), ("NMH_REGISTRY", ["110152"], False)]
    assert [(one["user_id"], one["roles"], one["requestor"]) for one in given] == [
        ("EMR", ["110152"], True), ("HV_REPOSITORY", ["110153"], False)]             # 3.43.6.1: the Source is not
    assert [one["alternative"] for one in given] == [None, str(os.getpid())]


def test_a_trail_that_is_down_stops_nobody():
    with Registry() as registry:
        sender = AuditSender("127.0.0.1", 1)
        registry.audit = TransactionAudit(sender, "nmh-registry")
        registry.know(PATIENT)
        assert not sharing.query(registry.url, "GetDocuments", {"$XDSDocumentEntryUniqueId": ["1.2"]}).problems
        assert len(sender.kept) == 1


def read(trail, event_type, number=0):
    """A record of a transaction."""
    records = trail.records()
    return audit.read(audit.read_syslog(trail.message(records.index[records.event_type == event_type][number])).text)


@pytest.fixture
def others():
    """A trail of what gateways, a PIX manager and its FHIR side were asked, and of what comes in other ways."""
    south, now = "urn:oid:2.999.1.8", lambda: "2025-04-07T06:00:00Z"
    with AuditRepository() as trail, AuditSender("127.0.0.1", trail.port) as sender, Registry() as registry, \
            Repository("S_REPOSITORY", "2.999.1.8.7", registry.url) as repository, \
            RespondingGateway(south, registry.url, {"2.999.1.8.7": repository.url}) as theirs, \
            InitiatingGateway("urn:oid:2.999.1.9", None, {}, {south: theirs.url}, seconds=30) as ours, PixManager() as manager, \
            FhirPatients(manager.index) as fhir:
        for actor in (theirs, ours, manager, fhir):
            actor.audit = TransactionAudit(sender, actor.name.lower(), now)
        registry.know(PATIENT)
        sharing.provide(repository.url, submission(1, document(1)), {"Document01": b"x"})
        asked = {"$XDSDocumentEntryPatientId": PATIENT, "$XDSDocumentEntryStatus": [APPROVED]}
        sharing.query(ours.url, "FindDocuments", asked, sender="EMR")
        sharing.retrieve(ours.url, [("2.999.1.8.7", "2.999.5.1"), ("2.999.1.8.7", "2.999.5.404")], home=south, sender="EMR")
        manager.index.admit(Identifier("2.999.1.1", "HV1"), Person("VANDERMEER", "ANNA", birth_date="19610817"))
        for event, query in (("Q23", "IHE PIX Query|Q1|HV1^^^HVGH&2.999.1.1&ISO"), ("Q22", "IHE PDQ Query|Q2|@PID.5.1^VANDERMEER"),
                             ("Q23", "IHE PIX Query|Q3|HV404^^^HVGH&2.999.1.1&ISO")):
            head = f"MSH|^~\\&|RIS|HVGH|NMH_INDEX|NMH|20250407060000||QBP^{event}^QBP_Q21|C1|P|2.5"
            mllp.send("127.0.0.1", manager.hl7_port, f"{head}\rQPD|{query}\rRCP|I\r")
        pix = "/$ihe-pix?sourceIdentifier=urn:oid:2.999.1.1%7C"
        for path in (f"{pix}HV1", "?family=vandermeer", f"{pix}X"):
            try:
                urllib.request.urlopen(f"{fhir.url}/Patient{path}").close()
            except urllib.error.HTTPError as problem:
                problem.close()
        one = TransactionAudit(sender, "other", now)
        one.note("HV_SOURCE", "RAD-69", "EMR", soap.Message("", etree.fromstring(IMAGES)), None, "Failure: XDSDocumentUniqueIdError")
        one.note("NMH_V3", "ITI-45", "EMR", soap.Message("", etree.fromstring(V3)), None, "Success")
        one.note("X", "ITI-999", "EMR", None, None, "Success")                                 # nothing that IHE wants to be recorded
        assert trail.settle(20)
        yield trail


IMAGES = f"""<r:RetrieveImagingDocumentSetRequest xmlns:r="urn:ihe:rad:xdsi-b:2009" xmlns:d="{facts.XDSB}">
<r:StudyRequest studyInstanceUID="2.999.7"><r:SeriesRequest seriesInstanceUID="2.999.7.1"><d:DocumentRequest>
<d:RepositoryUniqueId>2.999.1.1.71</d:RepositoryUniqueId><d:DocumentUniqueId>2.999.7.1.1</d:DocumentUniqueId>
</d:DocumentRequest></r:SeriesRequest></r:StudyRequest></r:RetrieveImagingDocumentSetRequest>"""
V3 = """<PRPA_IN201309UV02 xmlns="urn:hl7-org:v3"><controlActProcess><queryByParameter><queryId root="2.999.3" extension="7"/>
<parameterList><patientIdentifier><value root="2.999.1.1" extension="HV1"/></patientIdentifier></parameterList>
</queryByParameter></controlActProcess></PRPA_IN201309UV02>"""


def test_gateways_record_what_they_are_asked_and_what_they_ask(others):
    records = others.records()
    assert set(records.problems) == {""} and len(records) == 20
    rows = sorted(tuple(row) for row in records[["host", "event_type", "event", "action", "outcome"]].itertuples(index=False)
                  if row.host.startswith("nmh_resp") or row.host.startswith("nmh_init"))
    assert rows == [
        ("nmh_initiating", "ITI-18", "110112", "E", "0"), ("nmh_initiating", "ITI-38", "110112", "E", "0"),
        ("nmh_initiating", "ITI-39", "110107", "C", "0"), ("nmh_initiating", "ITI-39", "110107", "C", "8"),
        ("nmh_initiating", "ITI-43", "110106", "R", "0"), ("nmh_initiating", "ITI-43", "110106", "R", "8"),
        ("nmh_responding", "ITI-18", "110112", "E", "0"), ("nmh_responding", "ITI-38", "110112", "E", "0"),
        ("nmh_responding", "ITI-39", "110106", "R", "0"), ("nmh_responding", "ITI-39", "110106", "R", "8"),
        ("nmh_responding", "ITI-43", "110107", "C", "0"), ("nmh_responding", "ITI-43", "110107", "C", "8")]


def test_a_success_in_part_is_two_records(others):
    records = [read(others, "ITI-39", number) for number in range(4)]
    good, bad = (next(one for one in records if one["outcome"] == outcome) for outcome in ("0", "8"))
    assert [one["id"] for one in good["objects"]] == ["2.999.5.1"] and [one["id"] for one in bad["objects"]] == ["2.999.5.404"]
    assert good["objects"][0]["details"] == {"Repository Unique Id": b"2.999.1.8.7", "ihe:homeCommunityID": b"urn:oid:2.999.1.8"}


def test_a_cross_gateway_query_is_one_of_a_community(others):
    record = read(others, "ITI-38")
    query = next(one for one in record["objects"] if one["role"] == "24")
    assert query["details"] == {"QueryEncoding": b"UTF-8", "urn:ihe:iti:xca:2010:homeCommunityId": b"urn:oid:2.999.1.8"}
    assert query["id_type"] == "ITI-18"
    assert {one["user_id"].partition("//")[0] for one in record["participants"]} <= {"NMH_INITIATING", "NMH_RESPONDING", "http:"}


def test_patient_queries(others):
    records = others.records().set_index("event_type")
    assert list(records.loc["ITI-9"].outcome) == ["0", "8"] and list(records.loc["ITI-9"].patients) == [
        "HV1^^^HVGH&2.999.1.1&ISO", "HV404^^^HVGH&2.999.1.1&ISO"]
    assert set(records.loc["ITI-9"].users) == {"HVGH|RIS, NMH|NMH_INDEX"}
    query = read(others, "ITI-9")["objects"][-1]
    assert hl7.parse(query["query"])["QPD-2"] == "Q1" and query["details"] == {"MSH-10": b"C1"} and query["id_type"] == "ITI-9"
    assert read(others, "ITI-21")["objects"][0]["id"] == "Q2"
    assert list(records.loc["ITI-83"].outcome) == ["0", "8"] and records.loc["ITI-83"].patients.iloc[0] == "HV1^^^&2.999.1.1&ISO"
    assert b"family=vandermeer" in read(others, "ITI-78")["objects"][0]["query"]
    v3 = read(others, "ITI-45")["objects"]
    assert v3[0]["id"] == "HV1^^^&2.999.1.1&ISO" and v3[1]["id"] == "7" and b"patientIdentifier" in v3[1]["query"]


def test_images_that_were_fetched(others):
    record = read(others, "RAD-69")
    assert (record["event"], record["action"], record["outcome"]) == ("110104", "R", "8")
    assert [(one["id"], one["id_type"]) for one in record["objects"]] == [("2.999.7", "110180")]
    assert [(one["user_id"], one["roles"]) for one in record["participants"]] == [("EMR", ["110152"]), ("HV_SOURCE", ["110153"])]


def test_one_sender_for_several_threads():
    with AuditRepository() as trail, AuditSender("127.0.0.1", trail.port) as sender:
        writer = TransactionAudit(sender, "h", lambda: "2025-04-07T06:00:00Z")
        threads = [threading.Thread(target=lambda: [writer.user_refused("A", "B", "C") for _ in range(50)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert trail.settle(400) and len(trail) == 400 and set(trail.records().problems) == {""}


@pytest.mark.skipif(not SCHEMAS, reason="COURSEKIT_SCHEMAS names no folder with the published schemas")
def test_the_published_schema_agrees(trail, others):
    schema = etree.XMLSchema(etree.parse(os.fspath(Path(SCHEMAS) / "dicom-audit" / "dicom2017c.xsd")))
    for one in (trail, others):
        for number in one.records().index:
            schema.assertValid(etree.fromstring(audit.read_syslog(one.message(number)).text))
