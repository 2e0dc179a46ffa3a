"""PIXm and PDQm: the same patients give the same answers as over MLLP."""

import json
import random
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest

from coursekit.systems.fhir_patients import FhirPatients
from coursekit.systems.patient_index import Identifier, Person
from coursekit.systems.pix_manager import DOMAINS, PixManager
from tests.systems.test_pix_manager import feed, pdq, pix

HVGH, ECC, NMH = "2.999.1.1", "2.999.1.2", "2.999.1.9"


@pytest.fixture
def both():
    with PixManager() as manager, FhirPatients(manager.index) as fhir:
        yield manager, fhir


def call(fhir, path, method="GET", body=None, **arguments):
    query = f"?{urllib.parse.urlencode(arguments)}" if arguments else ""
    request = urllib.request.Request(fhir.url + path + query, json.dumps(body).encode() if body is not None else None, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def numbers(parameters):
    return sorted((one["valueIdentifier"]["system"].removeprefix("urn:oid:"), one["valueIdentifier"]["value"]) for one in parameters["parameter"])


def test_cross_reference(both):
    manager, fhir = both
    feed(manager, f"HV1^^^HVGH&{HVGH}&ISO")
    feed(manager, f"EC-1^^^ECC&{ECC}&ISO")
    assert call(fhir, "/Patient/$ihe-pix", sourceIdentifier=f"urn:oid:{HVGH}|HV1") == (200, {"resourceType": "Parameters", "parameter": [
        {"name": "targetIdentifier", "valueIdentifier": {"system": f"urn:oid:{ECC}", "value": "EC-1"}}]})
    status, found = call(fhir, "/Patient/$ihe-pix", sourceIdentifier=f"urn:oid:{HVGH}|HV1", targetSystem=f"urn:oid:{NMH}")
    assert status == 200 and found["parameter"] == []


@pytest.mark.parametrize("arguments, status, said", [
    ({"sourceIdentifier": f"urn:oid:{HVGH}|HV9"}, 404, "Patient Identifier not found"),
    ({"sourceIdentifier": "urn:oid:2.999.7|HV1"}, 400, "Assigning Authority not found"),
    ({"sourceIdentifier": "HV1"}, 400, "is written as"), ({}, 400, "is written as"),
    ({"sourceIdentifier": f"urn:oid:{HVGH}|HV1", "targetSystem": "urn:oid:2.999.7"}, 403, "targetSystem not found"),
])
def test_errors_of_a_cross_reference(both, arguments, status, said):
    manager, fhir = both
    feed(manager, f"HV1^^^HVGH&{HVGH}&ISO")
    answered, outcome = call(fhir, "/Patient/$ihe-pix", **arguments)
    assert answered == status and outcome["resourceType"] == "OperationOutcome" and said in outcome["issue"][0]["diagnostics"]


def test_search(both):
    manager, fhir = both
    feed(manager, f"HV1^^^HVGH&{HVGH}&ISO")
    status, bundle = call(fhir, "/Patient", family="Van der", birthdate="1961-08-17")
    assert status == 200 and bundle["total"] == 1
    patient = bundle["entry"][0]["resource"]
    assert patient["name"] == [{"family": "VANDERMEER", "given": ["ANNA"]}] and patient["birthDate"] == "1961-08-17" and patient["gender"] == "female"
    assert patient["identifier"] == [{"system": f"urn:oid:{HVGH}", "value": "HV1"}]
    assert call(fhir, "/Patient", **{"family:exact": "Van der"})[1]["total"] == 0
    assert call(fhir, "/Patient", identifier=f"urn:oid:{HVGH}|HV1")[1]["total"] == 1
    assert call(fhir, "/Patient", identifier=f"urn:oid:{ECC}|HV1")[1]["total"] == 0
    assert call(fhir, "/Patient", gender="male")[1] == {"resourceType": "Bundle", "type": "searchset", "total": 0}
    assert bundle["entry"][0]["fullUrl"] == f"{fhir.url}/Patient/{patient['id']}"
    # A number of its authority finds the person with all her numbers; the authority alone says whose numbers are wanted.
    feed(manager, f"EC-1^^^ECC&{ECC}&ISO")
    values = lambda identifier: [one["value"] for one in call(fhir, "/Patient", identifier=identifier)[1]["entry"][0]["resource"]["identifier"]]
    assert values(f"urn:oid:{HVGH}|HV1") == ["HV1", "EC-1"] and values(f"urn:oid:{ECC}|") == ["EC-1"]
    assert call(fhir, "/Patient", identifier=f"urn:oid:{ECC}|HV1")[1]["total"] == 0
    assert call(fhir, "/Patient", identifier="urn:oid:2.999.7|HV1")[0] == 404
    assert call(fhir, "/Patient", shoe="42")[0] == 400 and call(fhir, "/Patient")[0] == 400
    assert call(fhir, "/Patient/$nonsense")[0] == 404


def test_match(both):
    manager, fhir = both
    feed(manager, f"HV1^^^HVGH&{HVGH}&ISO")
    feed(manager, f"HV2^^^HVGH&{HVGH}&ISO", name="VANDERMEER^ANNE", birth="19610818")
    asked = {"resourceType": "Patient", "name": [{"family": "Vandermeer", "given": ["Anna"]}], "birthDate": "1961-08-17", "gender": "female"}

    def match(**more):
        return call(fhir, "/Patient/$match", "POST", {"resourceType": "Parameters", "parameter": [
            {"name": "resource", "resource": asked}, *({"name": name, **value} for name, value in more.items())]})

    status, bundle = match()
    assert status == 200 and [one["resource"]["identifier"][0]["value"] for one in bundle["entry"]] == ["HV1", "HV2"]
    assert bundle["entry"][0]["search"] == {"mode": "match", "score": 1.0, "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/match-grade", "valueCode": "certain"}]}
    assert bundle["entry"][1]["search"]["extension"][0]["valueCode"] in ("probable", "possible")
    assert match(onlyCertainMatches={"valueBoolean": True})[1]["total"] == 1 == match(count={"valueInteger": 1})[1]["total"]
    for wrong in (None, {}, {"resourceType": "Parameters"}, [1]):
        assert call(fhir, "/Patient/$match", "POST", wrong)[0] == 400


def test_feed(both):
    manager, fhir = both

    def put(number, **more):
        return call(fhir, "/Patient", "PUT", {"resourceType": "Patient", "identifier": [{"system": f"urn:oid:{HVGH}", "value": number}],
                                              "name": [{"family": "SMITH", "given": ["EVA"]}], **more}, identifier=f"urn:oid:{HVGH}|{number}")[0]

    assert put("HV1") == 201 and put("HV1", birthDate="1970-01-01") == 200 and put("HV2") == 201
    assert manager.index.person(Identifier(HVGH, "HV1")).birth_date == "19700101"
    assert put("HV2", active=False, link=[{"type": "replaced-by", "other": {"identifier": {"system": f"urn:oid:{HVGH}", "value": "HV1"}}}]) == 200
    assert pix(manager, f"HV2^^^HVGH&{HVGH}&ISO")["ERR-3.1"] == "204" and put("HV2") == 422
    assert call(fhir, "/Patient", "PUT", {"resourceType": "Patient"}, identifier=f"urn:oid:{HVGH}|HV3")[0] == 400
    assert call(fhir, "/Patient", "PUT", None, identifier=f"urn:oid:{HVGH}|HV3")[0] == 400


def test_both_generations_give_the_same_answers(both):
    manager, fhir = both
    draw = random.Random(4)
    families, given = ["SMITH", "SMYTH", "MEYER", "JANSEN"], ["EVA", "EVE", "TOM"]
    for number in range(60):
        manager.index.admit(Identifier(draw.choice([HVGH, ECC, NMH]), f"P{number}"), Person(
            draw.choice(families), draw.choice(given), birth_date=f"197001{draw.randrange(1, 6):02}", sex=draw.choice("FM"), zip=draw.choice("12")))
    for identifier, _, _ in manager.index.identities():
        over_mllp = pix(manager, f"{identifier.number}^^^{DOMAINS[identifier.domain]}&{identifier.domain}&ISO")
        old = sorted((one.split("^")[3].split("&")[1], one.split("^")[0]) for one in over_mllp["PID-3"].split("~") if one)
        assert numbers(call(fhir, "/Patient/$ihe-pix", sourceIdentifier=f"urn:oid:{identifier.domain}|{identifier.number}")[1]) == old
    for family in ("SM", "MEYER", "X"):
        old = sorted(one["3.1"] for one in pdq(manager, f"@PID.5.1^{family}*").segments("PID"))
        assert sorted(one["resource"]["identifier"][0]["value"] for one in call(fhir, "/Patient", family=family)[1].get("entry", ())) == old


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(both):
    manager, fhir = both
    feed(manager, f"HV1^^^HVGH&{HVGH}&ISO")
    ran = subprocess.run(["curl", "-sS", "-g", f"{fhir.url}/Patient?family=VAN&birthdate=1961-08-17"], capture_output=True, timeout=30)
    assert json.loads(ran.stdout)["total"] == 1
