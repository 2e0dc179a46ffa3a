"""What patients allow, decided and enforced: at a consumer, and at the gateway of a community."""

import random

import pytest
from lxml import etree

from coursekit.standards import audit, xua
from coursekit.standards.xds import facts
from coursekit.standards.xds.facts import APPROVED, ASSOCIATION, DEPRECATED, DOCUMENT, FOLDER, SET
from coursekit.standards.xds.metadata import Code, association
from coursekit.standards.xua import Assertion, Assertions
from coursekit.systems import consent, document_sharing as sharing
from coursekit.systems.audit_repository import AuditRepository, AuditSender
from coursekit.systems.certificates import Authority
from coursekit.systems.consent import (CLERK, CONFIDENTIALITY, EMERGENCY, NURSE, ON_REQUEST, OPT_IN_NEEDED, PAYMENT, PHYSICIAN, POLICIES,
                                       RADIOLOGIST, RESEARCH, RESEARCHER, TREATMENT, Consent, Consents, Policy, Rule, Voice)
from coursekit.systems.gateways import InitiatingGateway, RespondingGateway
from coursekit.systems.registry import Registry
from coursekit.systems.repository import Repository
from coursekit.systems.transaction_audit import TransactionAudit
from coursekit.systems.web import Caller
from tests.standards.test_xds_metadata import PATIENT, SCHEMAS, document, folder, submission, submission_set

OTHER = "NM100018^^^&2.999.1.9&ISO"
TREAT, RESTRICTED, STUDY, GLASS_ONLY, NEVER = (f"2.999.1.9.20.{number}" for number in range(1, 6))
NORTH, SOUTH, STS, DOMAIN, NOW = "urn:oid:2.999.1.9", "urn:oid:2.999.1.8", "urn:nmh:sts", "urn:oid:2.999.1.8", "20250407060000"


def user(role=PHYSICIAN, purpose=TREATMENT, name="koe", **more):
    return Assertion(name, STS, roles=(role,), purpose=purpose, **more)


def labelled(level="N", number=1, patient=PATIENT, **more):
    return document(number, patient, confidentialityCode=(Code(level, CONFIDENTIALITY),), availabilityStatus=APPROVED, **more)


def consents(*given, **how):
    made = Consents(clock=lambda: NOW, **how)
    made.acknowledge(*given)
    return made


def said(policy=TREAT, **more):
    return Consent(PATIENT, policy, "20250101", **more)


@pytest.mark.parametrize("policy, role, purpose, level, permit", [
    (None, PHYSICIAN, TREATMENT, "N", False), (None, PHYSICIAN, EMERGENCY, "N", True),
    (TREAT, PHYSICIAN, TREATMENT, "N", True), (TREAT, NURSE, TREATMENT, "U", True), (TREAT, CLERK, TREATMENT, "N", False),
    (TREAT, PHYSICIAN, TREATMENT, "R", False), (TREAT, PHYSICIAN, TREATMENT, "V", False), (TREAT, PHYSICIAN, PAYMENT, "N", False),
    (TREAT, PHYSICIAN, EMERGENCY, "R", True), (TREAT, NURSE, EMERGENCY, "N", False), (TREAT, PHYSICIAN, EMERGENCY, "V", False),
    (RESTRICTED, RADIOLOGIST, TREATMENT, "R", True), (RESTRICTED, RADIOLOGIST, TREATMENT, "V", False),
    (STUDY, RESEARCHER, RESEARCH, "N", True), (STUDY, RESEARCHER, RESEARCH, "R", False), (TREAT, RESEARCHER, RESEARCH, "N", False),
    (STUDY, PHYSICIAN, RESEARCH, "N", False), (GLASS_ONLY, PHYSICIAN, TREATMENT, "N", False), (GLASS_ONLY, PHYSICIAN, EMERGENCY, "N", True),
    (NEVER, PHYSICIAN, EMERGENCY, "N", False), ("2.999.404", PHYSICIAN, TREATMENT, "N", False),
    (TREAT, PHYSICIAN._replace(scheme="2.999"), TREATMENT, "N", False), (TREAT, PHYSICIAN, TREATMENT._replace(scheme="2.999"), "N", False),
    (TREAT, PHYSICIAN, TREATMENT, "secret", False), (TREAT, PHYSICIAN, None, "N", False),
])
def test_decisions(policy, role, purpose, level, permit):
    decision = consents(*([said(policy)] if policy else [])).decide(user(role, purpose), labelled(level))
    assert decision.permit is permit and decision.reason.endswith(".")
    emergency = permit and purpose == EMERGENCY
    assert decision.emergency == emergency and decision.obligations == (("audit", "notice") if emergency else ())


def test_the_reason_says_what_stood_in_the_way():
    reasons = [consents(said()).decide(user(*who), labelled(level)).reason for who, level in (
        ((CLERK,), "N"), ((PHYSICIAN, PAYMENT), "N"), ((PHYSICIAN,), "R"), ((PHYSICIAN,), "x"))]
    assert reasons == ["“Share for treatment” permits it for treatment, but not to clerk.",
                       "“Share for treatment” permits nothing for payment.",
                       "“Share for treatment” permits documents up to confidentiality N; this one is R.",
                       "The document's confidentialityCode is not understood here."]
    assert consents(said()).decide(None, labelled()).reason == "Nobody says who asks."


def test_labels():
    several = labelled().copy(confidentialityCode=(Code("N", CONFIDENTIALITY), Code("R", CONFIDENTIALITY)))
    assert not consents(said()).decide(user(), several).permit                                  # the highest counts
    for labels in (None, (Code("N", CONFIDENTIALITY), Code("1", "2.999"))):
        assert "not understood" in consents(said()).decide(user(), labelled().copy(confidentialityCode=labels)).reason
    assert consents(said()).decide(user(), folder()).permit and not consents().decide(user(), submission_set()).permit


def test_when_a_consent_holds():
    def permits(now, *given, **how):
        made = Consents(clock=lambda: now, **how)
        made.acknowledge(*given)
        return made.decide(user(), labelled()).permit

    assert permits(NOW, said(end="20250408")) and not permits("20250408000000", said(end="20250408"))
    assert permits("20250406235959", said(revoked="20250407")) and not permits(NOW, said(revoked="20250407"))
    assert not permits("20241231235959", said())
    no, yes = said(GLASS_ONLY)._replace(start="20250301"), said()
    assert not permits(NOW, yes, no) and not permits(NOW, no, yes)                              # the newest counts,
    assert not permits(NOW, yes, said(TREAT, revoked="20250402")._replace(start="20250401"))    # and none does when it has been revoked
    assert permits(NOW, default=POLICIES[1]) and not permits(NOW, said(GLASS_ONLY), default=POLICIES[1])        # opt-out domain
    made = consents(said(), said()._replace(patient=OTHER))
    made.revoke(PATIENT, NOW)
    assert not made.decide(user(), labelled()).permit and made.decide(user(), labelled(patient=OTHER)).permit


def test_whom_a_patient_bars():
    made = consents(said(barred=frozenset({"koe", "urn:oid:2.999.1.2"})))
    assert "barred koe" in made.decide(user(), labelled()).reason
    assert not made.decide(user(name="lee", organization_id="urn:oid:2.999.1.2"), labelled()).permit
    assert not made.decide(user(purpose=EMERGENCY), labelled()).permit and made.decide(user(name="lee"), labelled()).permit


def test_patients_and_who_speaks_for_minors():
    voices = [Voice(PATIENT, "tina"), Voice(OTHER, "mother", "20250407060000")]
    made = consents(said(), said()._replace(patient=OTHER, by="mother"), voices=voices)

    def own(name, patient, level="V"):
        return made.decide(user(consent.PATIENT, ON_REQUEST, name), labelled(level, patient=patient)).permit

    assert own("tina", PATIENT) and not own("tina", OTHER) and not own("koe", PATIENT)
    assert not own("mother", OTHER)                                                             # of age since a second
    assert not made.decide(user(), labelled(patient=OTHER)).permit                              # and what she said holds no more
    made._clock = lambda: "20250407055959"
    assert own("mother", OTHER) and made.decide(user(), labelled(patient=OTHER)).permit
    stranger = consents(said(by="neighbour"), voices=voices)
    assert not stranger.decide(user(), labelled()).permit


def test_acknowledgements_are_documents():
    def told(number, **more):
        return labelled(number=number, **{"classCode": consent.ACKNOWLEDGEMENT._replace(display="x"), "serviceStartTime": "202501",
                                          "eventCodeList": (Code(TREAT, "2.999.1.9.21"),), **more})

    found = consent.acknowledged([told(1), told(2, serviceStopTime="2026"), told(3).copy(availabilityStatus=DEPRECATED), labelled(number=4),
                                  told(5).copy(serviceStartTime=None), folder()])
    assert found == [Consent(PATIENT, TREAT, *times) for times in (("202501",), ("202501", "2026"), ("20250330014500",))]
    assert consents(*found[:1]).decide(user(), labelled()).permit


class Trail(list):
    """In place of a TransactionAudit."""

    def decided(self, *said):
        self.append(said)


def test_what_is_left_of_an_answer():
    made, trail = consents(said()), Trail()
    n, r, other = (labelled("N", 1), labelled("R", 2), labelled("N", 3, OTHER))
    links = [association(facts.HAS_MEMBER, "Set01", "Document01"), association(facts.HAS_MEMBER, "Set01", "Document02"),
             association(facts.APND, "Document03", "Document01")]
    answer = sharing.Answer(facts.SUCCESS, entries=[submission_set(), n, r, other, *links], ids=["x"] * 7)
    left = made.enforce(answer, user(), "EMR", trail)
    assert [one.id for one in left.entries] == left.ids == ["Set01", "Document01", links[0].id] and len(answer.entries) == 7
    assert [(patient, documents, permit) for _, _, patient, documents, permit, *_ in trail] == [
        (PATIENT, ["2.999.6.1", "2.999.5.1"], True), (PATIENT, ["2.999.5.2"], False), (OTHER, ["2.999.5.3"], False)]
    assert made.visible([n], None, "EMR") == [] and made.notices == []


def test_breaking_the_glass_leaves_its_traces():
    made, trail = consents(), Trail()
    emergency = user(purpose=EMERGENCY)
    assert made.visible([labelled("R")], emergency, "EMR") == [] and made.notices == []         # nobody could record it: so it is not done
    assert len(made.visible([labelled("R"), labelled("N", 2)], emergency, "EMR", trail)) == 2
    notice, = made.notices
    assert (notice.patient, notice.user, notice.moment, notice.documents) == (PATIENT, "koe", NOW, ("2.999.5.1", "2.999.5.2"))
    assert [one[-1] for one in trail] == [True]


def test_nothing_is_permitted_that_no_rule_permits():
    """Random policies, users, documents: a reading of the rules in one line says the same."""
    draw = random.Random(6)
    roles, purposes = (PHYSICIAN, NURSE, CLERK), (TREATMENT, EMERGENCY, PAYMENT)
    for _ in range(500):
        rules = tuple(Rule(*(tuple(draw.sample(many, draw.randrange(3))) for many in (roles, purposes)), draw.choice(consent.LEVELS))
                      for _ in range(draw.randrange(4)))
        made = Consents([Policy("2.999.1", "x", rules)], default=OPT_IN_NEEDED, clock=lambda: NOW)
        made.acknowledge(said("2.999.1"))
        who, level = user(draw.choice(roles), draw.choice(purposes)), draw.choice(consent.LEVELS)
        expected = any(who.roles[0] in rule.roles and who.purpose in rule.purposes and "ULMNRV".index(level) <= "ULMNRV".index(rule.most)
                       for rule in rules)
        assert made.decide(who, labelled(level)).permit is expected


# At a gateway

@pytest.fixture(scope="module")
def issuer(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("issuer")).issue("STS")


@pytest.fixture
def south(issuer):
    """(trail, the policy of the south, its gateway, a gateway of the north); the south has three documents and a folder of PATIENT's."""
    policy = consents(said())
    with AuditRepository() as trail, AuditSender("127.0.0.1", trail.port) as sender, Registry() as registry, \
            Repository("S_REPOSITORY", "2.999.1.8.7", registry.url) as repository, \
            RespondingGateway(SOUTH, registry.url, {"2.999.1.8.7": repository.url}, policy=policy) as theirs, \
            InitiatingGateway(NORTH, None, {}, {SOUTH: theirs.url}) as ours:
        theirs.assertions = Assertions({STS: issuer[0]}, [DOMAIN], required=False, clock=lambda: NOW)
        for gateway in (theirs, ours):
            gateway.audit = TransactionAudit(sender, gateway.name.lower(), lambda: "2025-04-07T06:00:00Z")
        registry.know(PATIENT, OTHER)
        for number, level in ((1, "N"), (2, "R")):
            held = submission(number, labelled(level, number), folder(number))
            given = sharing.provide(repository.url, held, {f"Document0{number}": b"x"})
            assert not given.problems, given.problems
        sharing.provide(repository.url, submission(3, labelled("N", 3, OTHER), patient=OTHER), {"Document03": b"y"})
        yield trail, policy, theirs, ours


def caller(issuer, **more):
    return Caller("EMR", None, xua.make(user(**more), *issuer[:2], [DOMAIN], NOW))


def find(url, who, **more):
    asked = {"$XDSDocumentEntryPatientId": PATIENT, "$XDSDocumentEntryStatus": [APPROVED]}
    return sharing.query(url, "FindDocuments", asked, sender=who, **more)


def numbers(answer):
    return sorted(one["uniqueId"][-1] for one in answer.entries if one.kind == DOCUMENT)


def test_a_gateway_shows_what_the_patient_allows(issuer, south):
    trail, policy, theirs, ours = south
    assert numbers(find(ours.url, caller(issuer))) == ["1"]
    policy.acknowledge(said(RESTRICTED)._replace(start="20250401"))
    assert numbers(find(ours.url, caller(issuer))) == ["1", "2"]
    policy.revoke(PATIENT, NOW)
    for who in (caller(issuer), "EMR"):                                                         # no consent; nobody who asks
        answer = find(ours.url, who)
        assert answer.status == facts.SUCCESS and not answer.entries
    assert numbers(find(ours.url, caller(issuer, purpose=EMERGENCY))) == ["1", "2"] and len(policy.notices) == 1


def test_references_say_no_more_than_metadata(issuer, south):
    *_, ours = south
    answer = find(ours.url, caller(issuer), leaves=False)
    first = find(ours.url, caller(issuer)).entries[0]
    assert answer.ids == [first.id] and [one.tag.rpartition("}")[2] for one in answer.response.body[-1]] == ["ObjectRef"]
    assert answer.response.body[-1][0].get("home") == SOUTH


def test_objects_around_a_document_that_is_not_shown(issuer, south):
    trail, policy, theirs, ours = south
    status = {f"$XDS{kind}Status": [APPROVED] for kind in ("DocumentEntry", "SubmissionSet", "Folder")}
    everything = sharing.query(ours.url, "GetAll", {"$patientId": PATIENT, **status}, home=SOUTH, sender=caller(issuer))
    kinds = [one.kind for one in everything.entries]
    assert (kinds.count(DOCUMENT), kinds.count(SET), kinds.count(FOLDER)) == (1, 2, 2)
    policy.acknowledge(said(RESTRICTED)._replace(start="20250401"))
    all_of_it = sharing.query(ours.url, "GetAll", {"$patientId": PATIENT, **status}, home=SOUTH, sender=caller(issuer)).entries
    assert len(all_of_it) == len(everything.entries) + 2                                        # the document, and what holds it in its set
    second = next(one for one in all_of_it if one.get("uniqueId") == "2.999.5.2")
    links = {"$uuid": [second.id]}
    found = sharing.query(ours.url, "GetAssociations", links, home=SOUTH, sender=caller(issuer)).entries
    assert [one.kind for one in found] == [ASSOCIATION]
    policy.revoke(PATIENT, NOW)
    for name in ("GetAssociations", "GetSubmissionSets"):
        assert not sharing.query(ours.url, name, links, home=SOUTH, sender=caller(issuer)).entries
    assert not sharing.query(ours.url, "GetAll", {"$patientId": PATIENT, **status}, home=SOUTH, sender=caller(issuer)).entries


def test_what_is_denied_is_not_given_out(issuer, south):
    trail, policy, theirs, ours = south

    def fetch(*numbers, who=caller(issuer)):
        return sharing.retrieve(ours.url, [("2.999.1.8.7", f"2.999.5.{number}") for number in numbers], home=SOUTH, sender=who)

    assert [one.octets for one in fetch(1).documents] == [b"x"]
    denied, missing = fetch(2), fetch(404)
    assert denied.status == missing.status == facts.FAILURE and not denied.documents
    for answer, number in ((denied, 2), (missing, 404)):                                        # nobody can tell the one from the other
        assert [(one.code, one.context, one.location) for one in answer.problems] == [
            ("XDSDocumentUniqueIdError", f"The document 2.999.5.{number} is not available.", SOUTH)]
    some = fetch(1, 2, 3)
    assert some.status == facts.PARTIAL and [one.unique_id for one in some.documents] == ["2.999.5.1"] and len(some.problems) == 2
    assert fetch(1, who="EMR").status == facts.FAILURE
    assert len(fetch(2, who=caller(issuer, purpose=EMERGENCY)).documents) == 1


def test_a_registry_that_is_down_gives_nothing_away(issuer, south):
    *_, theirs, ours = south
    nobody = "http://127.0.0.1:9/"                                                              # the discard port, on which nobody listens
    theirs.registry = nobody
    answer = sharing.retrieve(ours.url, [("2.999.1.8.7", "2.999.5.1")], home=SOUTH, sender=caller(issuer))
    assert answer.status == facts.FAILURE and not answer.documents


def test_each_decision_is_in_the_trail(issuer, south):
    trail, *_, ours = south
    find(ours.url, caller(issuer))
    find(ours.url, caller(issuer, purpose=EMERGENCY))
    assert trail.settle(11)
    records = trail.records()
    assert set(records.problems) == {""}
    decided = records[records.event == "110113"]
    assert sorted(zip(decided.event_type, decided.outcome, decided.patients)) == [
        ("110127", "0", PATIENT), ("AuthZ-Consent", "0", PATIENT), ("AuthZ-Consent", "8", PATIENT)]
    denied = audit.read(audit.read_syslog(trail.message(decided.index[decided.outcome == "8"][0])).text)
    assert denied["explanation"] == "“Share for treatment” permits documents up to confidentiality N; this one is R."
    assert [one["id"] for one in denied["objects"]] == [PATIENT, "2.999.5.2"]
    assert [one["user_id"] for one in denied["participants"]] == ["NMH_RESPONDING", "koe"]
    # each of the two queries: as registry and as initiator in the north, as responder and as consumer of its registry in the south
    counted = records[records.event == "110112"].groupby(["host", "event_type"]).size().to_dict()
    assert counted == {(host, what): 2 for host in ("nmh_initiating", "nmh_responding") for what in ("ITI-18", "ITI-38")}


@pytest.mark.skipif(not SCHEMAS, reason="COURSEKIT_SCHEMAS names no folder with the published schemas")
def test_the_published_schemas_agree(issuer, south):
    trail, *_, ours = south
    answer = find(ours.url, caller(issuer), leaves=False)
    etree.XMLSchema(etree.parse(f"{SCHEMAS}/xds/query.xsd")).assertValid(etree.fromstring(etree.tostring(answer.response.body)))
    find(ours.url, caller(issuer, purpose=EMERGENCY))
    sharing.retrieve(ours.url, [("2.999.1.8.7", "2.999.5.1"), ("2.999.1.8.7", "2.999.5.2")], home=SOUTH, sender=caller(issuer))
    assert trail.settle(20)
    schema = etree.XMLSchema(etree.parse(f"{SCHEMAS}/dicom-audit/dicom2017c.xsd"))
    for number in trail.records().index:
        schema.assertValid(etree.fromstring(audit.read_syslog(trail.message(number)).text))
