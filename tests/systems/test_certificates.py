"""Node certificates: who has none of the authority is not spoken with, and both sides say why in a sentence."""

import json
import shutil
import socket
import ssl
import subprocess
import time
import urllib.request

import pytest
from lxml import etree

from coursekit.standards import audit, soap, xua
from coursekit.standards.xds import facts
from coursekit.standards.xds.facts import APPROVED
from coursekit.standards.xua import Assertion, Assertions
from coursekit.systems import certificates, document_sharing as sharing, mllp
from coursekit.systems.audit_repository import AuditRepository, AuditSender
from coursekit.systems.certificates import Authority
from coursekit.systems.fhir_patients import FhirPatients
from coursekit.systems.gateways import InitiatingGateway, RespondingGateway
from coursekit.systems.mllp import Listener
from coursekit.systems.patient_index import PatientIndex
from coursekit.systems.pix_manager import PixManager
from coursekit.systems.registry import Registry
from coursekit.systems.repository import Repository
from coursekit.systems.transaction_audit import TransactionAudit
from coursekit.systems.web import Caller, NoAnswer, SoapServer, ask
from tests.standards.test_xds_metadata import PATIENT, SCHEMAS, document, submission

HOME, STS, DOMAIN, NOW = "urn:oid:2.999.1.8", "urn:nmh:sts", "urn:oid:2.999.1.9", "20250407060000"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """{name: (certificate, key, authority)}; MALLORY's is of another authority, LATE's has expired."""
    folder = tmp_path_factory.mktemp("nodes")
    authority, other = Authority(folder), Authority(tmp_path_factory.mktemp("others"), "OTHER_CA")
    made = {name: authority.issue(name) for name in ("SERVER", "EMR", "STS")}
    made["LATE"] = authority.issue("LATE", days=1)
    made["MALLORY"] = (*other.issue("MALLORY")[:2], authority.certificate)
    made["STRANGER"] = other.issue("STRANGER")
    made["NOBODY"] = (None, None, authority.certificate)
    return made


class Echo(SoapServer):
    """Answers with what it gets."""

    def __init__(self, **how):
        super().__init__("ECHO", **how)
        self.actions = {"urn:x": ("X-1", lambda message: soap.Message("urn:y", message.body, reply_to=None))}


def call(server, caller, body="<b/>"):
    return ask(server.url, soap.Message("urn:x", etree.fromstring(body)), caller, seconds=60)


def test_nodes_that_know_each_other(nodes):
    with Echo(certificates=nodes["SERVER"]) as server:
        assert server.url.startswith("https://127.0.0.1:")
        assert call(server, Caller("itself it calls so", nodes["EMR"])).action == "urn:y"
        assert server.journal[0].source == "EMR"                    # the name is the one that the authority has certified
        assert call(server, Caller("EMR", nodes["EMR"]), f"<b>{'x' * 2_000_000}</b>").action == "urn:y"


@pytest.mark.parametrize("caller, said, noted", [
    ("NOBODY", "certificate", "has shown no certificate"), ("MALLORY", "certificate", "from an authority that is not trusted here"),
    ("LATE", "certificate", "has expired"), ("STRANGER", "from an authority that is not trusted here", "does not trust"),
    (None, "from an authority that is not trusted here", "does not trust"),
])
@pytest.mark.parametrize("size", [0, 3_000_000])
def test_nodes_that_are_refused(nodes, caller, said, noted, size, caplog):
    with Echo(certificates=nodes["SERVER"]) as server:
        with pytest.raises(NoAnswer, match=said) as raised:
            call(server, Caller("EMR", nodes[caller] if caller else None), f"<b>{'x' * size}</b>")
        assert str(raised.value).endswith(".") and "EMR" in str(raised.value)
        assert server.journal.wait("Authenticate Node")
        assert server.journal[0].detail.startswith("refused: ") and noted in server.journal[0].detail
        assert call(server, Caller("EMR", nodes["EMR"])).action == "urn:y"                      # and it lives
    assert not caplog.records                                       # nothing that a notebook would show


def test_a_server_whose_certificate_has_expired(nodes):
    with Echo(certificates=nodes["LATE"]) as server, pytest.raises(NoAnswer, match="the other side's certificate has expired"):
        call(server, Caller("EMR", nodes["EMR"]))


def test_one_side_alone_speaks_tls(nodes):
    with Echo() as server, Echo(certificates=nodes["SERVER"]) as secure:
        with pytest.raises(NoAnswer, match="speaks HTTP without TLS"):                          # tornado waits for the end of a first line
            ask(server.url.replace("http:", "https:"), soap.Message("urn:x", etree.Element("b")), Caller("EMR", nodes["EMR"]), seconds=1)
        with pytest.raises(NoAnswer, match="does not answer"):
            ask(secure.url.replace("https:", "http:"), soap.Message("urn:x", etree.Element("b")), "EMR")
        assert secure.journal.wait("Authenticate Node") and "without TLS" in secure.journal[0].detail
        with socket.create_connection(("127.0.0.1", secure.port)):                              # somebody who only looks is no alarm
            pass
        assert call(secure, Caller("EMR", nodes["EMR"])).action == "urn:y" and len(secure.journal) == 3


def test_nothing_older_than_tls_1_2(nodes):
    with Echo(certificates=nodes["SERVER"]) as server:
        context = certificates.caller_context(nodes["EMR"])
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
        with socket.create_connection(("127.0.0.1", server.port)) as line, context.wrap_socket(line) as secure:
            assert secure.version() == "TLSv1.2"
        old = certificates.caller_context(nodes["EMR"])
        with pytest.deprecated_call():
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with socket.create_connection(("127.0.0.1", server.port)) as line, pytest.raises(OSError):
            old.wrap_socket(line)
    assert certificates.server_context(nodes["SERVER"]).minimum_version >= ssl.TLSVersion.TLSv1_2


def test_files_that_are_no_certificates(nodes, tmp_path):
    (tmp_path / "no.pem").write_text("no")
    for broken in ((tmp_path / "no.pem", *nodes["SERVER"][1:]), (tmp_path / "missing.pem", *nodes["SERVER"][1:])):
        server = Echo(certificates=broken)
        with pytest.raises(OSError):
            server.start()
        server.certificates = nodes["SERVER"]
        with server:
            assert call(server, Caller("EMR", nodes["EMR"])).action == "urn:y"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_finds_the_certificates_sound(nodes):
    for name in ("SERVER", "EMR"):
        subprocess.run(["openssl", "verify", "-x509_strict", "-CAfile", nodes[name][2], nodes[name][0]], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_with_a_certificate(nodes):
    with Echo(certificates=nodes["SERVER"]) as server:
        octets, kind = soap.Message("urn:x", etree.Element("b")).encode(server.url)
        certificate, key, authority = nodes["EMR"]
        ran = subprocess.run(["curl", "-sS", "--cacert", authority, "--cert", certificate, "--key", key, "-H", f"Content-Type: {kind}",
                              "--data-binary", "@-", server.url], input=octets, capture_output=True, timeout=30)
        assert b"urn:y" in ran.stdout, ran.stderr                   # curl looks at the host name, too


def test_a_browser_of_fhir(nodes):
    index = PatientIndex({"2.999.1.1": "HVGH"})
    try:
        with FhirPatients(index, certificates=nodes["SERVER"]) as fhir:
            assert fhir.url.startswith("https:")
            strict = ssl.create_default_context(cafile=nodes["EMR"][2])
            strict.load_cert_chain(*nodes["EMR"][:2])
            with urllib.request.urlopen(f"{fhir.url}/Patient?family=X", context=strict) as answer:
                assert json.load(answer)["resourceType"] == "Bundle"
    finally:
        index.close()


def test_an_audit_trail_over_tls(nodes):
    with AuditRepository(certificates=nodes["SERVER"]) as trail, \
            AuditSender("127.0.0.1", trail.port, certificates.caller_context(nodes["EMR"])) as sender:
        TransactionAudit(sender, "emr").node_refused("EMR", "127.0.0.1", "refused")
        assert trail.settle(1) and list(trail.records().way) == ["TLS"]


FEED = ("MSH|^~\\&|HIS|HVGH|NMH_INDEX|NMH|20250407080000||ADT^A04^ADT_A01|1|P|2.5\rEVN||20250407080000\r"
        "PID|||HV1^^^&2.999.1.1&ISO||VANDERMEER^ANNA||19450508|F\rPV1||O\r")


def test_an_identity_feed_over_tls(nodes):
    told = []
    with Listener("PORTAL", certificates=nodes["EMR"]) as portal, PixManager(
            certificates=nodes["SERVER"], consumers={"PORTAL": (portal.host, portal.port, ("2.999.1.1", "2.999.1.2"))}) as manager:
        with mllp.Sender(manager.host, manager.hl7_port, certificates=nodes["EMR"]) as sender:
            for number in range(3):
                assert sender.send(FEED.replace("|1|P", f"|{number}|P"))["MSA-1"] == "AA"
        long = FEED + "NTE|||" + "x" * 3_000_000
        assert mllp.send(manager.host, manager.hl7_port, [long, FEED], certificates=nodes["EMR"])[1]["MSA-1"] == "AA"
        assert mllp.send(manager.host, manager.hl7_port, FEED.replace("HV1^^^&2.999.1.1", "EC1^^^&2.999.1.2"), certificates=nodes["EMR"])
        assert {event.detail for event in manager.journal if event.what == "ADT^A31"} == {"answered AA"} and portal.journal
        with pytest.raises(mllp.NoAnswer):                          # who speaks no TLS is not heard
            mllp.send(manager.host, manager.hl7_port, FEED, seconds=5)
        with Registry(certificates=nodes["SERVER"]) as registry:
            answer = mllp.send(registry.host, registry.hl7_port, FEED.replace("HV1^^^&2.999.1.1", "NM1^^^&2.999.1.9"), certificates=nodes["EMR"])
            told += [answer["MSA-1"], *registry.patients()]
    assert told == ["AA", "NM1^^^&2.999.1.9&ISO"]


@pytest.mark.parametrize("caller, said, noted", [
    ("NOBODY", "certificate", "has shown no certificate"), ("LATE", "has expired", "has expired"),
    ("STRANGER", "from an authority that is not trusted here", "does not trust"),
])
def test_feeds_that_are_refused(nodes, caller, said, noted):
    with AuditRepository() as trail, AuditSender(trail.host, trail.port) as sender, PixManager(certificates=nodes["SERVER"]) as manager:
        manager.audit = TransactionAudit(sender, "index", lambda: "2025-04-07T06:00:00Z")
        with pytest.raises(mllp.NoAnswer, match=said):
            mllp.send(manager.host, manager.hl7_port, FEED, seconds=30, certificates=nodes[caller])
        assert manager.journal.wait("Authenticate Node") and noted in manager.journal[0].detail
        assert mllp.send(manager.host, manager.hl7_port, FEED, certificates=nodes["EMR"])["MSA-1"] == "AA"      # and it lives
        trail.settle(2)
        assert any("110126" in str(trail.message(number)) for number in range(1, 1 + len(trail)))


def test_a_listener_over_tls_ends_though_somebody_says_nothing(nodes):
    listener = Listener("PACS", certificates=nodes["SERVER"]).start()
    with socket.create_connection((listener.host, listener.port)):
        started = time.monotonic()
        listener.stop()
        assert time.monotonic() - started < 20


@pytest.fixture
def domain(nodes):
    """A domain whose nodes all have certificates, whose actors take users' assertions alone, and whose trail hears of it."""
    checks = Assertions({STS: nodes["STS"][0]}, [DOMAIN], clock=lambda: NOW)
    with AuditRepository() as trail, AuditSender("127.0.0.1", trail.port) as sender, Registry(certificates=nodes["SERVER"]) as registry, \
            Repository("REPOSITORY", "2.999.1.8.7", registry.url, certificates=nodes["SERVER"]) as repository, \
            RespondingGateway(HOME, registry.url, {"2.999.1.8.7": repository.url}, certificates=nodes["SERVER"]) as theirs, \
            InitiatingGateway("urn:oid:2.999.1.9", None, {}, {HOME: theirs.url}, certificates=nodes["SERVER"]) as ours:
        for actor in (registry, repository, theirs, ours):
            actor.assertions, actor.audit = checks, TransactionAudit(sender, actor.name.lower(), lambda: "2025-04-07T06:00:00Z")
        registry.know(PATIENT)
        yield trail, registry, repository, ours


def who(nodes, **more):
    said = Assertion("koe", STS, "K", **{"purpose": xua.Code("TREAT", "2.16.840.1.113883.5.8", "treatment"),
                                         "roles": (xua.Code("A<&", "2.999", 'dr "x"'),), **more})
    return Caller("EMR", nodes["EMR"], xua.make(said, *nodes["STS"][:2], [DOMAIN], NOW))


def find(url, caller):
    asked = {"$XDSDocumentEntryPatientId": PATIENT, "$XDSDocumentEntryStatus": [APPROVED]}
    return sharing.query(url, "FindDocuments", asked, sender=caller)


def test_certificates_and_assertions_go_through_the_domain(nodes, domain):
    trail, registry, repository, ours = domain
    koe = who(nodes)
    assert sharing.provide(repository.url, submission(1, document(1)), {"Document01": b"x"}, sender=koe).status == facts.SUCCESS
    assert [one["uniqueId"] for one in find(ours.url, koe).entries] == ["2.999.5.1"]            # to the registry behind both gateways
    assert sharing.retrieve(ours.url, [("2.999.1.8.7", "2.999.5.1")], home=HOME, sender=koe).documents[0].octets == b"x"
    for caller in (Caller("EMR", nodes["EMR"]), "EMR"):
        for url in (registry.url, repository.url, ours.url):
            with pytest.raises((soap.Fault, NoAnswer)):
                find(url, caller)


def test_faults_of_ws_security(nodes, domain):
    trail, registry, *_ = domain
    late = Caller("EMR", nodes["EMR"], xua.make(Assertion("koe", STS), *nodes["STS"][:2], [DOMAIN], "20250101000000"))
    forged = Caller("EMR", nodes["EMR"], xua.make(Assertion("koe", "urn:mallory"), *nodes["MALLORY"][:2], [DOMAIN], NOW))
    without = Caller("EMR", nodes["EMR"])
    for caller, subcode in ((late, "InvalidSecurityToken"), (forged, "FailedAuthentication"), (without, "InvalidSecurity")):
        with pytest.raises(soap.Fault) as raised:
            find(registry.url, caller)
        assert (raised.value.code, raised.value.subcode) == ("Sender", subcode)
    with pytest.raises(NoAnswer):
        find(registry.url, Caller("X", nodes["NOBODY"]))
    assert trail.settle(4)
    records = trail.records()
    assert set(records.problems) == {""}
    assert sorted(zip(records.event, records.event_type, records.outcome, records.users)) == [
        ("110113", "110126", "4", "NMH_REGISTRY"), *[("110114", "110122", "8", "EMR, NMH_REGISTRY")] * 3]
    assert find(registry.url, who(nodes)).status == facts.SUCCESS


def test_the_record_names_user_role_and_purpose(nodes, domain):
    trail, registry, *_ = domain
    find(registry.url, who(nodes))
    assert trail.settle(1)
    text = audit.read_syslog(trail.message(1)).text
    system, service, human = audit.read(text)["participants"]
    assert (human["user_id"], human["name"], human["requestor"], human["roles"]) == ("koe", "K<koe@urn:nmh:sts>", True, ["A<&"])
    assert system["user_id"] == "EMR" and not system["requestor"] and not service["requestor"]
    purpose = audit.tree(text).find("EventIdentification/PurposeOfUse")
    assert (purpose.get("csd-code"), purpose.get("originalText")) == ("TREAT", "treatment")


def test_no_assertion_is_fine_where_none_is_required(nodes):
    with Echo() as server:
        assert call(server, who(nodes)).action == "urn:y"                                       # nobody looks at it
        server.assertions = Assertions({STS: nodes["STS"][0]}, [DOMAIN], required=False, clock=lambda: NOW)
        assert call(server, "EMR").action == "urn:y"
        seen, work = [], server.actions["urn:x"][1]
        server.actions["urn:x"] = ("X-1", lambda message: seen.append(message.user) or work(message))
        call(server, who(nodes))
        assert seen[0].user == "koe"
        wrong = who(nodes)
        wrong.assertion[2][0].text = "director"
        with pytest.raises(soap.Fault) as raised:
            call(server, wrong)
        assert raised.value.subcode == "FailedCheck" and call(server, "EMR").action == "urn:y"


@pytest.mark.skipif(not SCHEMAS, reason="COURSEKIT_SCHEMAS names no folder with the published schemas")
def test_the_published_schema_agrees(nodes, domain):
    trail, registry, _, ours = domain
    find(ours.url, who(nodes))
    with pytest.raises(soap.Fault):
        find(registry.url, Caller("EMR", nodes["EMR"]))
    with pytest.raises(NoAnswer):
        find(registry.url, Caller("X", nodes["NOBODY"]))
    assert trail.settle(7)
    schema = etree.XMLSchema(etree.parse(f"{SCHEMAS}/dicom-audit/dicom2017c.xsd"))
    for number in trail.records().index:
        schema.assertValid(etree.fromstring(audit.read_syslog(trail.message(number)).text))
