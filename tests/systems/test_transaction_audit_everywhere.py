"""After a day over all actors, each transaction in the journal has its records in the trail: at who answered, and at who asked."""

import contextlib
import os
from collections import Counter
from io import BytesIO
from pathlib import Path

import pytest
from lxml import etree
from pydicom import dcmread

from coursekit.standards import audit
from coursekit.standards.xds import facts
from coursekit.standards.xds.facts import APPROVED
from coursekit.systems import document_sharing as sharing
from coursekit.systems import mllp
from coursekit.systems.affinity_domain import HOME, REPOSITORY, AffinityDomain
from coursekit.systems.audit_repository import AuditRepository, AuditSender
from coursekit.systems.direct_sharing import DocumentRecipient
from coursekit.systems.fhir_documents import FhirDocuments
from coursekit.systems.fhir_patients import FhirPatients
from coursekit.systems.gateways import InitiatingGateway
from coursekit.systems.imaging_source import retrieve_images
from coursekit.systems.mhd_caller import ask, mhd_find, mhd_lists, mhd_provide, mhd_retrieve
from coursekit.systems.mllp import Listener
from coursekit.systems.patient_index import Identifier, Person
from coursekit.systems.patients_v3 import PatientsV3
from coursekit.systems.patients_v3_caller import cancel, cross_reference, demographics, feed, more
from coursekit.systems.pix_manager import PixManager
from coursekit.systems.scu import Scu
from coursekit.systems.transaction_audit import TRANSACTIONS, TransactionAudit
from coursekit.systems.web import Caller, NoAnswer
from tests.standards.test_xds_metadata import PATIENT, SCHEMAS, document, submission
from tests.systems.conftest import ct
from tests.systems.test_fhir_patients import call

HVGH = "HVGH&2.999.1.1&ISO"
ANNA = Person("VANDERMEER", "ANNA", birth_date="19610817")
SEARCH = {"patient.identifier": "urn:oid:2.999.1.9|NM100017", "status": "current"}
FIND = {"$XDSDocumentEntryPatientId": PATIENT, "$XDSDocumentEntryStatus": [APPROVED]}
LOCAL = {                   # what a journal calls a transaction that it has no name for
    **dict.fromkeys(("ADT^A01", "ADT^A04", "ADT^A08"), "ITI-8"), "ADT^A28": "ITI-30", "ADT^A31": "ITI-30", "QBP^Q22": "ITI-21",
    "QBP^Q23": "ITI-9", "GET /Patient": "ITI-78", "GET /Patient/$ihe-pix": "ITI-83", "POST /Patient/$match": "ITI-119", "PUT /Patient": "ITI-104"}


def hl7(port, event, *segments, version="2.3.1", control="C1"):
    text = "\r".join([f"MSH|^~\\&|RIS|HVGH|X|NMH|20250407060000||{event}|{control}|P|{version}", *segments, ""])
    return mllp.send("127.0.0.1", port, text)["MSA-1"]


def patient_fed(port, event, pid, version="2.3.1", control="C1"):
    merge = [f"MRG|{pid[1]}"] if isinstance(pid, tuple) else []
    pid = pid[0] if merge else pid
    return hl7(port, event, "EVN||20250407", f"PID|||{pid}||VANDERMEER^ANNA||19610817", *merge, "PV1||N", version=version, control=control)


class Day:
    """A domain with all that can stand around it. Everybody writes into one journal and one trail."""

    def __init__(self, running):
        self.running = running
        self.portal = Listener("PORTAL").start()
        running.callback(self.portal.stop)
        consumers = {"PORTAL": ("127.0.0.1", self.portal.port, ["2.999.1.1", "2.999.1.2"]), "GONE": ("127.0.0.1", 1, ["2.999.1.1"])}
        self.domain = running.enter_context(AffinityDomain(index=PixManager(consumers=consumers)))
        self.trail, self.index = self.domain.trail, self.domain.index
        self.v3 = self.actor(PatientsV3(self.index.index))
        self.patients = self.actor(FhirPatients(self.index.index))
        self.mhd = self.actor(FhirDocuments(self.domain.registry.url, self.domain.repository.url))
        self.recipient = self.actor(DocumentRecipient())
        self.gateway = self.actor(InitiatingGateway("urn:oid:2.999.1.8", None, {}, {HOME: self.domain.gateway.url}, seconds=30))
        self.caller = Caller("EMR", audit=self.audit("emr"))
        self.audited = {self.caller.name} | {one.name for one in (
            self.domain.registry, self.domain.repository, self.domain.source, self.domain.gateway, self.index, self.v3, self.patients,
            self.mhd, self.recipient, self.gateway)}

    def audit(self, host):
        return TransactionAudit(self.running.enter_context(AuditSender(self.trail.host, self.trail.port)), host)

    def actor(self, one):
        one.journal, one.audit = self.domain.journal, self.audit(one.name.lower())
        return self.running.enter_context(one)

    def records(self):
        """The records as (application, event_type), once all are there that are awaited."""
        expected = self.awaited()
        assert self.trail.settle(expected.total(), 30), expected - self.found()
        return expected, self.found()

    def found(self):
        return Counter(self.trail.records()[["application", "event_type"]].itertuples(index=False, name=None))

    def awaited(self):
        """What the journal says that there has to be: for each transaction one at either side that is audited, of a merge two, and two of
        what succeeded in part."""
        events, count = list(self.domain.journal), Counter()
        for place, event in enumerate(events):
            name = event.what if event.what in TRANSACTIONS else LOCAL.get(event.what, "")
            if event.what == "ADT^A40":
                name = "ITI-30" if event.data["MSH-12"] == "2.5" else "ITI-8"
            if event.source == self.index.name and event.what == "ADT^A31":
                name = "ITI-10"
            if not name:
                continue
            merge = event.what == "ADT^A40" or name == "ITI-44" and event.data.action.endswith("201304UV02")
            in_part = next((True for one in events[place:] if one.what == f"{name} response" and one.source == event.target
                            and one.detail.startswith("PartialSuccess") and event.data is not None and getattr(one.data, "relates_to", None)
                            == getattr(event.data, "message_id", "")), False)
            for who in {event.source, event.target} & self.audited:
                count[who, name] += 2 if merge or in_part else 1
        return count


@pytest.fixture(scope="module")
def day():
    with contextlib.ExitStack() as running:
        day = Day(running)
        domain, me = day.domain, day.caller
        index, registry = day.index.hl7_port, domain.registry.hl7_port
        # Identities, three generations
        assert patient_fed(index, "ADT^A04", f"HV1^^^{HVGH}", control="A4") == "AA"
        assert patient_fed(index, "ADT^A08", f"HV1^^^{HVGH}") == "AA"
        assert patient_fed(index, "ADT^A28", "EC-1^^^ECC&2.999.1.2&ISO", "2.5") == "AA"
        assert patient_fed(index, "ADT^A31", "EC-1^^^ECC&2.999.1.2&ISO", "2.5") == "AA"
        assert patient_fed(index, "ADT^A01", f"HV2^^^{HVGH}") == "AA"
        assert patient_fed(index, "ADT^A40", (f"HV1^^^{HVGH}", f"HV2^^^{HVGH}")) == "AA"
        assert patient_fed(index, "ADT^A40", (f"HV1^^^{HVGH}", f"HV9^^^{HVGH}"), "2.5") == "AE"
        assert patient_fed(index, "ADT^A04", "1^^^X&2.999.7&ISO") == "AE"
        assert patient_fed(index, "ADT^A02", f"HV1^^^{HVGH}") == "AR"                                   # no identity feed
        assert patient_fed(registry, "ADT^A04", "NM100017^^^NMH&2.999.1.9&ISO") == "AA"
        assert patient_fed(registry, "ADT^A04", "NM5^^^NMH&2.999.1.9&ISO") == "AA"
        assert patient_fed(registry, "ADT^A40", ("NM100017^^^NMH&2.999.1.9&ISO", "NM5^^^NMH&2.999.1.9&ISO")) == "AA"
        for query in ("Q23^QBP_Q21|C7|P|2.5\rQPD|IHE PIX Query|Q1|HV1^^^HVGH", "Q22^QBP_Q21|C8|P|2.5\rQPD|IHE PDQ Query|Q2|@PID.5.1^VAN*"):
            mllp.send("127.0.0.1", index, f"MSH|^~\\&|RIS|HVGH|X|NMH|20250407060000||QBP^{query}\rRCP|I\r")
        assert feed(day.v3.url, Identifier("2.999.1.1", "HV3"), ANNA, sender=me).acknowledged == "CA"
        assert feed(day.v3.url, Identifier("2.999.1.1", "HV4"), ANNA, sender="EMR2").acknowledged == "CA"
        assert feed(day.v3.url, Identifier("2.999.1.1", "HV3"), ANNA, revised=True, sender=me).acknowledged == "CA"
        assert feed(day.v3.url, Identifier("2.999.1.1", "HV3"), ANNA, subsumed=Identifier("2.999.1.1", "HV4"), sender=me).acknowledged == "CA"
        assert feed(day.v3.url, Identifier("2.999.7", "1"), ANNA, sender=me).acknowledged == "CE"
        cross_reference(day.v3.url, Identifier("2.999.1.1", "HV3"), sender=me)
        some = demographics(day.v3.url, {"family": "VANDERMEER"}, quantity=1, sender=me)
        cancel(day.v3.url, more(day.v3.url, some, 1, sender=me), sender=me)
        one = {"resourceType": "Patient", "identifier": [{"system": "urn:oid:2.999.1.1", "value": "HV7"}], "name": [{"family": "BAKKER"}]}
        assert call(day.patients, "/Patient", "PUT", one, identifier="urn:oid:2.999.1.1|HV7")[0] == 201
        assert call(day.patients, "/Patient", "PUT", one, identifier="urn:oid:2.999.1.1|HV7")[0] == 200
        gone = {**one, "link": [{"type": "replaced-by", "other": {"identifier": {"system": "urn:oid:2.999.1.1", "value": "HV1"}}}]}
        assert call(day.patients, "/Patient", "PUT", gone, identifier="urn:oid:2.999.1.1|HV7")[0] == 200
        assert call(day.patients, "/Patient", "PUT", one, identifier="urn:oid:2.999.7|HV7")[0] == 400
        call(day.patients, "/Patient/$ihe-pix", sourceIdentifier="urn:oid:2.999.1.1|HV1")
        call(day.patients, "/Patient", identifier="urn:oid:2.999.1.1|HV1")
        call(day.patients, "/Patient/$match", "POST", {"parameter": [{"name": "resource", "resource": one}]})
        # Documents over XDS, XDR, XCA, XDS-I and MHD
        sharing.provide(domain.repository.url, submission(1, document(1)), {"Document01": b"x"}, me)
        sharing.provide(domain.repository.url, submission(1, document(2)), {"Document02": b"x"}, me)             # the set came before
        sharing.register(domain.registry.url, [], me)
        sharing.query(domain.registry.url, "FindDocuments", FIND, sender=me)
        sharing.retrieve(domain.repository.url, [(REPOSITORY, "2.999.5.1"), (REPOSITORY, "2.999.5.404")], sender=me)
        sharing.provide(day.recipient.url, submission(3, document(3)), {"Document03": b"x"}, me)
        sharing.query(day.gateway.url, "FindDocuments", FIND, sender=me)
        sharing.retrieve(day.gateway.url, [(REPOSITORY, "2.999.5.1")], HOME, me)
        Scu("CT2", "HV_VNA", domain.archive.port).store([ct(1)])
        domain.source.publish("2.999.7", domain.repository.url, PATIENT, "HV1^^^&2.999.1.1&ISO", "2.999.7.900", "20250407060000")
        manifest = sharing.retrieve(domain.repository.url, [(REPOSITORY, "2.999.7.900")], sender=me).documents[0].octets
        retrieve_images(domain.source.url, dcmread(BytesIO(manifest)), sender=me)
        assert mhd_provide(day.mhd.url, submission(4, document(4)), {"Document04": b"over MHD"}, me).status == 200
        assert mhd_provide(day.mhd.url, submission(4, document(5)), {"Document05": b"x"}, me).status == 422
        found = mhd_find(day.mhd.url, SEARCH, me)
        assert mhd_lists(day.mhd.url, {**SEARCH, "code": "submissionset"}, me).status == 200
        assert mhd_find(day.mhd.url, {"status": "current"}, me).status == 400
        day.binary = next(one["content"][0]["attachment"]["url"] for one in found.resources if "2.999.5.4" in str(one["masterIdentifier"]))
        assert mhd_retrieve(day.binary, sender=me).octets == b"over MHD"
        assert mhd_retrieve(day.binary, "image/png", me).status == 406
        assert mhd_retrieve(f"{day.mhd.url}/Binary/1", sender=me).status == 404
        assert ask(day.mhd.url, "POST", b"{", sender="EMR2").status == 400                                # an ITI-65 that nobody can read
        day.records()
        day.count = len(day.trail)
        yield day


def test_each_transaction_has_its_records(day):
    expected, found = day.records()
    assert found == expected
    assert {name for _, name in expected} == set(TRANSACTIONS)                              # the day has seen them all
    assert day.trail.records().problems.unique().tolist() == [""]


@pytest.mark.skipif(not SCHEMAS, reason="COURSEKIT_SCHEMAS names no folder with the published schemas")
def test_the_published_schema_agrees(day):
    day.records()
    schema = etree.XMLSchema(etree.parse(os.fspath(Path(SCHEMAS) / "dicom-audit" / "dicom2017c.xsd")))
    for number in day.trail.records().index:
        schema.assertValid(etree.fromstring(audit.read_syslog(day.trail.message(number)).text))


def of(day, application, event_type, later):
    """The records of a transaction: those of the day, or what tests have added later."""
    day.records()
    records = day.trail.records()
    return records[(records.application == application) & (records.event_type == event_type) & ((records.index > day.count) == later)]


def rows(day, application, event_type, later=False):
    """(event, action, outcome, patients) of the records of a transaction."""
    records = of(day, application, event_type, later)
    return list(records[["event", "action", "outcome", "patients"]].itertuples(index=False, name=None))


def read(day, application, event_type, later=False):
    return audit.read(audit.read_syslog(day.trail.message(of(day, application, event_type, later).index[0])).text)


def test_identity_feeds_over_mllp(day):
    hv1, hv2, ec1 = f"HV1^^^{HVGH}", f"HV2^^^{HVGH}", "EC-1^^^ECC&2.999.1.2&ISO"
    assert rows(day, "NMH_INDEX", "ITI-8") == [
        ("110110", "C", "0", hv1), ("110110", "U", "0", hv1), ("110110", "C", "0", hv2), ("110110", "D", "0", hv2), ("110110", "U", "0", hv1),
        ("110110", "C", "8", "1^^^X&2.999.7&ISO")]
    assert rows(day, "NMH_INDEX", "ITI-30") == [
        ("110110", "C", "0", ec1), ("110110", "U", "0", ec1), ("110110", "D", "8", f"HV9^^^{HVGH}"), ("110110", "U", "8", hv1)]
    assert [row[1:3] for row in rows(day, "NMH_REGISTRY", "ITI-8")] == [("C", "0"), ("C", "0"), ("D", "0"), ("U", "0")]
    first = read(day, "NMH_INDEX", "ITI-8")
    assert first["objects"][0]["details"] == {"MSH-10": b"A4"} and first["objects"][0]["id_type"] == "2"
    assert [(one["user_id"], one["roles"], one["requestor"]) for one in first["participants"]] == [
        ("HVGH|RIS", ["110153"], True), ("NMH|X", ["110152"], False)]


def test_notifications_are_the_managers(day):
    told = rows(day, "NMH_INDEX", "ITI-10")
    assert {row[:2] for row in told} == {("110110", "R")} and {row[2] for row in told} == {"0", "8"}             # GONE does not answer
    linked = next(row[3] for row in told if "EC-1" in row[3])
    assert set(linked.split(", ")) == {"EC-1^^^ECC&2.999.1.2&ISO", f"HV1^^^{HVGH}"}                       # 3.10.5.1: each number for itself
    first = read(day, "NMH_INDEX", "ITI-10")
    assert [(one["user_id"], one["roles"], one["alternative"]) for one in first["participants"]] == [
        ("NMH|NMH_INDEX", ["110153"], str(os.getpid())), ("|PORTAL", ["110152"], None)]
    assert first["objects"][0]["details"] == {"MSH-10": b"NMH_INDEX1"}


def test_identity_feeds_of_hl7_v3(day):
    hv3, hv4 = "HV3^^^&2.999.1.1&ISO", "HV4^^^&2.999.1.1&ISO"
    expected = [("110110", "C", "0", hv3), ("110110", "U", "0", hv3), ("110110", "D", "0", hv4), ("110110", "U", "0", hv3),
                ("110110", "C", "8", "1^^^&2.999.7&ISO")]
    assert rows(day, "EMR", "ITI-44") == expected                                                        # a source knows what it says
    assert rows(day, "NMH_V3", "ITI-44") == [expected[0], ("110110", "C", "0", hv4), *expected[1:]]
    (detail,) = read(day, "NMH_V3", "ITI-44")["objects"][0]["details"].items()
    assert detail[0] == "II" and detail[1].startswith(b"@") and len(detail[1]) == 37
    assert read(day, "EMR", "ITI-44")["participants"][1]["user_id"] == day.v3.url


def test_identity_feeds_of_fhir(day):
    hv7 = "HV7^^^&2.999.1.1&ISO"
    assert sorted(rows(day, "NMH_FHIR", "ITI-104")) == sorted([
        ("110110", "C", "0", hv7), ("110110", "U", "0", hv7), ("110110", "U", "0", hv7), ("110110", "U", "8", "HV7^^^&2.999.7&ISO")])
    thing = read(day, "NMH_FHIR", "ITI-104")["objects"][1]
    assert (thing["type"], thing["role"], thing["id_type"]) == ("2", "4", "12") and thing["id"].startswith("/fhir/Patient?identifier=")
    assert [row[3] for row in rows(day, "NMH_FHIR", "ITI-78") + rows(day, "NMH_FHIR", "ITI-119")] == ["HV1^^^&2.999.1.1&ISO", ""]


def test_documents_over_mhd(day):
    provided = [("110107", "C", outcome, patient) for outcome, patient in (("0", PATIENT), ("8", PATIENT), ("8", ""))]
    assert rows(day, "NMH_MHD", "ITI-65") == provided
    assert rows(day, "EMR", "ITI-65") == [("110106", "R", *row[2:]) for row in provided[:2]]
    for name in ("NMH_MHD", "EMR"):
        assert rows(day, name, "ITI-66") == [("110112", "E", "0", PATIENT)]
        assert rows(day, name, "ITI-67") == [("110112", "E", "0", PATIENT), ("110112", "E", "8", "")]
    assert rows(day, "NMH_MHD", "ITI-68") == [
        ("110106", "R", "0", PATIENT), ("110106", "R", "8", PATIENT), ("110106", "R", "8", "")]
    assert rows(day, "EMR", "ITI-68") == [("110107", "C", outcome, "") for outcome in "088"]
    held = read(day, "NMH_MHD", "ITI-65")["objects"][1]
    assert (held["id"], held["id_type"], held["role"]) == ("2.999.6.4", audit.SUBMISSION_SET, "20")
    query = read(day, "NMH_MHD", "ITI-67")["objects"][1]
    assert (query["id"], query["id_type"]) == ("/fhir/DocumentReference", "ITI-67") and b"status=current" in query["query"]
    given = read(day, "NMH_MHD", "ITI-68")
    assert (given["objects"][1]["id"], given["objects"][1]["role"]) == (day.binary.partition(f":{day.mhd.port}")[2], "3")
    assert [(one["user_id"], one["roles"]) for one in given["participants"]] == [("EMR", ["110152"]), ("NMH_MHD", ["110153"])]
    assert read(day, "EMR", "ITI-68")["objects"][0]["id"] == day.binary
    # What stands before XDS has asked there, too: as source and consumer
    assert {row[:2] for row in rows(day, "NMH_MHD", "ITI-41")} == {("110106", "R")}
    assert {row[:2] for row in rows(day, "NMH_MHD", "ITI-43")} == {("110107", "C")}


def test_a_search_that_is_posted_names_its_patient(day):
    form = b"patient.identifier=urn%3Aoid%3A2.999.1.9%7CNM100017&status=current"
    day.mhd.answer("POST", "DocumentReference/_search", {name: [value] for name, value in SEARCH.items()}, form, {}, "EMR2")
    day.mhd.answer("GET", "List", {"patient": ["Patient/2.999.1.9.NM100017"], "status": ["current"], "code": ["folder"]}, b"", {}, "EMR2")
    assert rows(day, "NMH_MHD", "ITI-67", later=True) == [("110112", "E", "0", PATIENT)]
    assert read(day, "NMH_MHD", "ITI-67", later=True)["objects"][1]["query"] == b"/fhir/DocumentReference/_search\n" + form
    assert rows(day, "NMH_MHD", "ITI-66", later=True) == [("110112", "E", "0", PATIENT)]


def test_what_is_no_text_is_recorded_too(day):
    hostile = (f"HV\x01\x0c1^^^{HVGH}", "\ufffe^^^HVGH", "<&\">^^^HVGH")
    for number, pid in enumerate(hostile):
        message = f"MSH|^~\\&|RIS|HVGH|X|NMH|20250407060000||ADT^A04|\x02{number}\udc80|P|2.3.1|||||||UNICODE UTF-8\rPID|||{pid}||A^B\rPV1||N\r"
        assert mllp.send("127.0.0.1", day.index.hl7_port, message.encode("utf-8", "surrogateescape"))["MSA-1"] in ("AA", "AE", "AR")
    day.mhd.answer("GET", "Binary/\0\ud800", {}, b"", {}, "\x07")
    for body in (b"{", b"[]", b'{"entry": 7}', b'{"entry": [{"fullUrl": {}, "resource": {"resourceType": "List", "code": 1}}]}', b"[" * 100_000):
        day.mhd.answer("POST", "", {}, body, {"Content-Type": "application/json"}, "EMR2")
    expected, found = day.records()
    assert found == expected and set(day.trail.records().problems) == {""}


def test_whom_nobody_answers_has_a_record_of_it():
    with AuditRepository() as trail, AuditSender(trail.host, trail.port) as sender:
        caller = Caller("EMR", audit=TransactionAudit(sender, "emr"))
        for asks in (lambda: sharing.query("http://127.0.0.1:1/", "FindDocuments", FIND, sender=caller),
                     lambda: mhd_find("http://127.0.0.1:1/fhir", SEARCH, caller),
                     lambda: cross_reference("http://127.0.0.1:1/", Identifier("2.999.1.1", "HV1"), sender=caller)):
            with pytest.raises(NoAnswer):
                asks()
        assert trail.settle(3)
        assert list(trail.records()[["event_type", "outcome", "patients"]].itertuples(index=False, name=None)) == [
            ("ITI-18", "8", PATIENT), ("ITI-67", "8", PATIENT), ("ITI-45", "8", "HV1^^^&2.999.1.1&ISO")]
