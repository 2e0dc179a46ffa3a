"""Each transaction of document sharing leaves a record that others can read."""

import os
from pathlib import Path

import pytest
from lxml import etree

from coursekit.standards import audit
from coursekit.standards.xds.facts import APPROVED
from coursekit.systems import document_sharing as sharing
from coursekit.systems.audit_repository import AuditRepository, AuditSender
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
        assert trail.settle(6)
        yield trail


def test_who_did_what_to_whose_data(trail):
    records = trail.records().sort_values(["host", "event_type"], kind="stable")
    assert set(records.problems) == {""}
    assert [tuple(row) for row in records[["host", "event_type", "event", "action", "outcome"]].itertuples(index=False)] == [
        ("hv-repository", "ITI-41", "110107", "C", "0"), ("hv-repository", "ITI-41", "110107", "C", "8"),
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


def test_a_trail_that_is_down_stops_nobody():
    with Registry() as registry:
        sender = AuditSender("127.0.0.1", 1)
        registry.audit = TransactionAudit(sender, "nmh-registry")
        registry.know(PATIENT)
        assert not sharing.query(registry.url, "GetDocuments", {"$XDSDocumentEntryUniqueId": ["1.2"]}).problems
        assert len(sender.kept) == 1


@pytest.mark.skipif(not SCHEMAS, reason="COURSEKIT_SCHEMAS names no folder with the published schemas")
def test_the_published_schema_agrees(trail):
    schema = etree.XMLSchema(etree.parse(os.fspath(Path(SCHEMAS) / "dicom-audit" / "dicom2017c.xsd")))
    for number in trail.records().index:
        schema.assertValid(etree.fromstring(audit.read_syslog(trail.message(number)).text))
