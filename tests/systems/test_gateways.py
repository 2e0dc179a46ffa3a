"""Two communities and the gateways between them; one of them may be slow, or down."""

import socket
import time
from pathlib import Path

import pytest
from lxml import etree
from ports import own_port

from coursekit.standards import soap, xml
from coursekit.standards.xds import facts
from coursekit.standards.xds.facts import APPROVED
from coursekit.systems import document_sharing as sharing
from coursekit.systems.gateways import InitiatingGateway, RespondingGateway
from coursekit.systems.registry import Registry
from coursekit.systems.repository import Repository
from coursekit.systems.web import SoapServer
from tests.standards.test_xds_metadata import PATIENT, SCHEMAS, document, submission

NORTH, SOUTH = "urn:oid:2.999.1.9", "urn:oid:2.999.1.8"
SOUTHERN = "SU5^^^&2.999.1.8&ISO"


@pytest.fixture
def two():
    """The gateway that consumers in the north ask, and a way to stop the south."""
    with Registry("N_REGISTRY") as north, Repository("N_REPOSITORY", "2.999.1.9.7", north.url) as n_documents, \
            Registry("S_REGISTRY", authority=("SU", "2.999.1.8")) as south, Repository("S_REPOSITORY", "2.999.1.8.7", south.url) as s_documents, \
            RespondingGateway(SOUTH, south.url, {"2.999.1.8.7": s_documents.url}, port=own_port()) as theirs, \
            InitiatingGateway(NORTH, north.url, {"2.999.1.9.7": n_documents.url}, {SOUTH: theirs.url}, patients=lambda home, patient: (
                patient if home == NORTH else SOUTHERN if patient == PATIENT else None), seconds=30) as ours:
        north.know(PATIENT, "NM2^^^&2.999.1.9&ISO")
        south.know(SOUTHERN)
        sharing.provide(n_documents.url, submission(1, document(1)), {"Document01": b"north"})
        sharing.provide(s_documents.url, submission(2, document(2, SOUTHERN), patient=SOUTHERN), {"Document02": b"south"})
        yield ours, theirs


def find(gateway, patient=PATIENT, **more):
    return sharing.query(gateway.url, "FindDocuments", {"$XDSDocumentEntryPatientId": patient, "$XDSDocumentEntryStatus": [APPROVED]}, **more)


def test_both_communities_are_asked(two):
    ours, _ = two
    answer = find(ours)
    assert answer.status == facts.SUCCESS
    assert sorted((one["uniqueId"], one["homeCommunityId"]) for one in answer.entries) == [("2.999.5.1", NORTH), ("2.999.5.2", SOUTH)]
    documents = sharing.retrieve(ours.url, [("2.999.1.9.7", "2.999.5.1")]).documents
    assert [one.octets for one in documents] == [b"north"]
    theirs = sharing.retrieve(ours.url, [("2.999.1.8.7", "2.999.5.2")], home=SOUTH)
    assert [one.octets for one in theirs.documents] == [b"south"] and theirs.documents[0].home == SOUTH and theirs.status == facts.SUCCESS


def test_one_community_alone(two):
    ours, theirs = two
    assert [one["uniqueId"] for one in find(ours, home=SOUTH).entries] == ["2.999.5.2"]
    assert [one["uniqueId"] for one in find(ours, home=NORTH).entries] == ["2.999.5.1"]
    unknown = find(ours, home="urn:oid:2.999.404")
    assert unknown.status == facts.FAILURE and [one.code for one in unknown.problems] == ["XDSUnknownCommunity"]
    wrong = sharing.retrieve(ours.url, [("2.999.1.8.7", "2.999.5.2")], home="urn:oid:2.999.404")
    assert [one.code for one in wrong.problems] == ["XDSUnknownCommunity"]
    assert len(theirs.journal) >= 2


def test_who_is_not_known_there_has_nothing_there(two):
    ours, _ = two
    answer = find(ours, "NM2^^^&2.999.1.9&ISO")
    assert answer.status == facts.SUCCESS and not answer.entries


def test_objects_need_their_community(two):
    ours, theirs = two
    asked = {"$XDSDocumentEntryUniqueId": ["2.999.5.2"]}
    assert [one.code for one in sharing.query(ours.url, "GetDocuments", asked).problems] == ["XDSMissingHomeCommunityId"]
    assert [one["uniqueId"] for one in sharing.query(ours.url, "GetDocuments", asked, home=SOUTH).entries] == ["2.999.5.2"]
    references = sharing.query(ours.url, "GetDocuments", asked, leaves=False, home=SOUTH)
    assert references.response.body[-1][0].get("home") == SOUTH
    body = etree.Element(f"{{{facts.XDSB}}}RetrieveDocumentSetRequest")
    sharing.add_request(body, "2.999.1.8.7", "2.999.5.2")
    assert [one.code for one in sharing.ask(theirs.url, "ITI-39", body).problems] == ["XDSMissingHomeCommunityId"]


def test_a_community_that_is_down_leaves_the_rest(two):
    ours, theirs = two
    theirs.stop()
    answer = find(ours)
    assert answer.status == facts.PARTIAL and [one["uniqueId"] for one in answer.entries] == ["2.999.5.1"]
    problem, = answer.problems
    assert problem.code == "XDSUnavailableCommunity" and problem.location == SOUTH
    assert [one.code for one in sharing.retrieve(ours.url, [("2.999.1.8.7", "2.999.5.2")], home=SOUTH).problems] == ["XDSUnavailableCommunity"]


def test_a_community_that_is_slow_is_not_waited_for_without_end(two):
    ours, _ = two
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ours.communities["urn:oid:2.999.1.7"] = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        ours.seconds = 5                                # the others may take some, too
        start = time.monotonic()
        answer = find(ours)
        assert 4.5 < time.monotonic() - start < 25
    assert answer.status == facts.PARTIAL and len(answer.entries) == 2 and answer.problems[0].location == "urn:oid:2.999.1.7"


def test_a_gateway_that_does_not_say_whose_its_objects_are_is_named(two):
    ours, theirs = two
    with Door(theirs.registry) as door:
        ours.communities[SOUTH] = door.url
        answer = find(ours)
        assert answer.status == facts.PARTIAL and len(answer.entries) == 2          # all entities are passed on (3.38.4.1.3)
        problem, = answer.problems
        lacking = next(one for one in answer.entries if "homeCommunityId" not in one)
        assert (problem.code, problem.location) == ("XDSMissingHomeCommunityId", SOUTH)
        assert SOUTH in problem.context and lacking.id in problem.context
        references = find(ours, leaves=False)
        assert references.status == facts.PARTIAL and references.problems[0].location == SOUTH


class Door(SoapServer):
    """A responding gateway that passes on what its registry says as it is."""

    def __init__(self, registry):
        super().__init__("S_DOOR")
        self.actions = {facts.ACTIONS["ITI-38"][0]: ("ITI-38", lambda message: soap.Message(
            facts.ACTIONS["ITI-38"][1], sharing.ask(registry, "ITI-18", message.body).response.body, reply_to=None))}


def test_an_error_of_a_community_says_whose_it_is(two):
    ours, _ = two
    answer = sharing.query(ours.url, "FindDocuments", {"$XDSDocumentEntryPatientId": PATIENT}, home=SOUTH)
    assert answer.status == facts.FAILURE and [(one.code, one.location) for one in answer.problems] == [("XDSStoredQueryMissingParam", SOUTH)]


@pytest.mark.skipif(not SCHEMAS, reason="COURSEKIT_SCHEMAS names no folder with the published schemas")
def test_the_published_schemas_agree(two):
    ours, _ = two
    schemas = {facts.QUERY: "query.xsd", facts.XDSB: "XDS.b_DocumentRepository.xsd"}
    for answer in (find(ours), find(ours, home="urn:oid:2.999.404"), sharing.retrieve(ours.url, [("2.999.1.8.7", "2.999.5.2")], home=SOUTH)):
        body = xml.parse(xml.encode(answer.response.inlined()))
        etree.XMLSchema(etree.parse(str(Path(SCHEMAS) / "xds" / schemas[etree.QName(body).namespace]))).assertValid(body)
