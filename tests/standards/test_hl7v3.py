"""HL7 v3 of PIXV3 and PDQV3: what is written, and what others write."""

import os
import re
from pathlib import Path

import pytest
from lxml import etree

from coursekit.standards import hl7v3, xml
from coursekit.standards.hl7v3 import BadInteraction, Problem

DEVICES = ("2.999.1.1.44", "2.999.1.9.44")
HV1, EC1 = ("2.999.1.1", "HV1"), ("2.999.1.2", "EC-1")
NAMES = {"2.999.1.1": "HVGH", "2.999.1.2": "ECC"}
ANNA = {"family": "VANDERMEER", "given": "ANNA", "middle": "ELISE", "birth_date": "19610817", "sex": "F", "street": "Quay 4",
        "city": "Harbour Vale", "zip": "1011AB", "phone": "+1 555 0101"}
SCHEMAS = os.environ.get("COURSEKIT_SCHEMAS")           # a folder with the published schemas
NOBODY = dict.fromkeys(hl7v3.PERSON, "")


def again(element):
    """An element as it's read from the wire."""
    return xml.parse(xml.encode(element))


def theirs(name, act, before="", prefix=""):
    """An interaction as others send it: `act` is what stands in its controlActProcess."""
    text = (f'<PRPA ITSVersion="XML_1.0"><id root="2.999.5" extension="35423"/><creationTime value="20090821104213.304"/>'
            f'<interactionId extension="{name}" root="2.16.840.1.113883.1.6"/><processingCode code="P"/><processingModeCode code="T"/>'
            f'<acceptAckCode code="AL"/><receiver typeCode="RCV"><device classCode="DEV" determinerCode="INSTANCE"><id root="2.999.6.1"/>'
            f'<asAgent classCode="AGNT"><representedOrganization determinerCode="INSTANCE" classCode="ORG"><id root="2.999.6"/>'
            f'</representedOrganization></asAgent></device></receiver><sender typeCode="SND"><device classCode="DEV" '
            f'determinerCode="INSTANCE"><id root="2.999.7.1"/></device></sender>{before}<controlActProcess classCode="CACT" moodCode="EVN">'
            f'{act}</controlActProcess></PRPA>').replace("PRPA", name)
    if prefix:
        text = re.sub(r"<(/?)(\w)", rf"<\1{prefix}:\2", text)
    return xml.parse(re.sub(r"(ITSVersion)", f'xmlns{":" * bool(prefix)}{prefix}="urn:hl7-org:v3" '
                            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \\1', text, count=1).encode())


def query(parameters, more=""):
    return (f'<code code="X" codeSystem="2.16.840.1.113883.1.6"/><queryByParameter><queryId root="2.999.8" extension="18204"/>'
            f'<statusCode code="new"/>{more}<parameterList>{parameters}</parameterList></queryByParameter>')


def event(patient, more=""):
    return (f'<code code="X"/><subject typeCode="SUBJ"><registrationEvent classCode="REG" moodCode="EVN"><id nullFlavor="NA"/>'
            f'<statusCode code="active"/><subject1 typeCode="SBJ"><patient classCode="PAT">{patient}</patient></subject1>'
            f'<custodian typeCode="CST"><assignedEntity classCode="ASSIGNED"><id root="2.999.7"/></assignedEntity></custodian>{more}'
            f'</registrationEvent></subject>')


# Written and read again

@pytest.mark.parametrize("person", [ANNA, {**NOBODY, "family": "O'Neil & Søn <x>"}, {**NOBODY, "given": "A", "sex": "U"}, NOBODY,
                                    {**NOBODY, "middle": "B", "sex": "O", "phone": "tel/ä;1"}, {**ANNA, "birth_date": "1961", "city": ""}])
def test_a_feed_is_what_it_was(person):
    for name in (hl7v3.ADD, hl7v3.REVISE):
        assert hl7v3.read_feed(again(hl7v3.feed(name, DEVICES, HV1, person))) == ([HV1], person, [])
    merged = hl7v3.read_feed(again(hl7v3.feed(hl7v3.RESOLVE, DEVICES, HV1, person, ("2.999.1.1", "HV2"))))
    assert merged == ([HV1], {**NOBODY, **{field: person[field] for field in ("family", "given", "middle")}}, [("2.999.1.1", "HV2")])


def test_a_pix_query_is_what_it_was():
    for domains in ([], ["2.999.1.2"], ["2.999.1.2", "2.999.1.9"]):
        body = again(hl7v3.pix_query(DEVICES, HV1, domains))
        asked = hl7v3.read_pix_query(body)
        assert asked.identifiers == [HV1] and [root for root, _ in asked.domains] == domains
        for root, place in asked.domains:               # the XPath leads to the value
            assert body.getroottree().xpath(re.sub("/", "/h:", place), namespaces={"h": hl7v3.HL7})[0].get("root") == root


@pytest.mark.parametrize("criteria, read", [
    ({"family": "VANDERMEER", "given": "ANNA", "middle": "E"}, {"family": "VANDERMEER", "given": "ANNA", "middle": "E"}),
    ({"family": "VAN*", "given": "ANNA"}, {"family": "VAN*", "given": "ANNA*"}), ({"sex": "O", "city": "X", "zip": "1"},) * 2,
    ({"birth_date": "19610817"},) * 2, ({"birth_date": "196108*"},) * 2, ({"birth_date": "1961"}, {"birth_date": "1961*"}),
    ({"sex": "U", "street": "Quay"},) * 2,
])
def test_a_demographics_query_is_what_it_was(criteria, read):
    asked = hl7v3.read_pdq_query(again(hl7v3.pdq_query(DEVICES, criteria, ["2.999.1.2"], 7)))
    assert asked.criteria == [read] and [root for root, _ in asked.domains] == ["2.999.1.2"]
    assert asked.quantity == 7 and asked.born == ("", "")


def test_a_range_of_birth_dates_and_an_identifier():
    asked = hl7v3.read_pdq_query(again(hl7v3.pdq_query(DEVICES, {"birth_date": ("1959", ""), "number": HV1})))
    assert asked.born == ("1959", "") and asked.identifiers == [HV1] and asked.criteria == [{}] and asked.quantity is None


def test_answers_are_what_they_were():
    request = again(hl7v3.pix_query(DEVICES, HV1))
    answer = hl7v3.read_answer(again(hl7v3.pix_answer(request, [EC1], ANNA, NAMES)))
    assert (answer.acknowledged, answer.code, answer.problems) == ("AA", "OK", [])
    assert answer.people == [([EC1], {**NOBODY, **{field: ANNA[field] for field in ("family", "given", "middle")}})]
    assert hl7v3.read_answer(hl7v3.pix_answer(request)).code == "NF"
    problem = Problem("204", "HV1 is not known.", "/PRPA_IN201309UV02/x")
    refused = hl7v3.read_answer(again(hl7v3.pix_answer(request, problem=BadInteraction(problem))))
    assert (refused.acknowledged, refused.code, refused.problems, refused.people) == ("AE", "AE", [problem], [])
    for more in ((), (problem,)):
        assert hl7v3.read_answer(hl7v3.pix_answer(request, problem=BadInteraction(problem._replace(code="101"), *more))).code == "QE"

    request = again(hl7v3.pdq_query(DEVICES, {"family": "VAN*"}))
    body = again(hl7v3.pdq_answer(request, [([HV1, EC1], ANNA)], 3, 2, ["2.999.1.1", "2.999.1.2", "2.999.1.9"], NAMES))
    answer = hl7v3.read_answer(body)
    assert answer.people == [([HV1, EC1], ANNA)] and answer.remaining == 2 and answer.code == "OK"
    # Each role has the numbers of its organization alone (E.2); what is missing is said (3.47.4.2.3, case 2).
    patient = hl7v3.find(body, hl7v3.PATIENT)
    assert [one.get("extension") for one in hl7v3.find_all(patient, "id")] == ["HV1"]
    assert hl7v3.find(patient, "id").get("assigningAuthorityName") == "HVGH"
    assert hl7v3.find(patient, "providerOrganization/id").get("root") == "2.999.1.1"
    others = [(hl7v3.find(one, "id"), hl7v3.find(one, "scopingOrganization/id").get("root"))
              for one in hl7v3.find_all(patient, "patientPerson/asOtherIDs")]
    assert [(one.get("extension"), one.get("nullFlavor"), scope) for one, scope in others] == [
        ("EC-1", None, "2.999.1.2"), (None, "UNK", "2.999.1.9")]


def test_a_continuation_is_what_it_was():
    begun = hl7v3.read_answer(hl7v3.pdq_answer(again(hl7v3.pdq_query(DEVICES, {"family": "X"}, (), 1))))
    body = again(hl7v3.continuation(DEVICES, begun, 2, 5))
    assert hl7v3.read_continuation(body) == (begun.query_id, 2, 5, False)
    assert hl7v3.find(body, "acknowledgement/targetMessage/id").get("root") == begun.message_id["root"]
    assert hl7v3.read_continuation(again(hl7v3.continuation(DEVICES, begun))) == (begun.query_id, None, None, False)
    assert hl7v3.read_continuation(again(hl7v3.continuation(DEVICES, begun, cancel=True))) == (begun.query_id, 0, None, True)


def all_written():
    """One of each interaction, in each form."""
    pix, pdq = hl7v3.pix_query(DEVICES, HV1, ["2.999.1.2", "2.999.1.9"]), hl7v3.pdq_query(DEVICES, {
        **ANNA, "number": HV1, "family": "VAN*"}, ["2.999.1.2"], 2)
    problem = BadInteraction(Problem("204", "Not known.", "/x"), Problem("101", "Missing."))
    found = hl7v3.pdq_answer(pdq, [([HV1, EC1], ANNA), ([EC1], NOBODY)], 2, 0, ["2.999.1.9"], NAMES)
    return [hl7v3.feed(hl7v3.ADD, DEVICES, HV1, ANNA), hl7v3.feed(hl7v3.REVISE, DEVICES, HV1, NOBODY),
            hl7v3.feed(hl7v3.RESOLVE, DEVICES, HV1, ANNA, ("2.999.1.1", "HV2")), pix, pdq,
            hl7v3.pdq_query(DEVICES, {"birth_date": ("", "1961")}),
            hl7v3.acknowledgement(pix), hl7v3.acknowledgement(again(etree.Element("nothing")), problem.problems),
            hl7v3.pix_answer(pix, [EC1], ANNA, NAMES), hl7v3.pix_answer(pix), hl7v3.pix_answer(pix, problem=problem),
            found, hl7v3.pdq_answer(pdq), hl7v3.pdq_answer(pdq, problem=problem),
            hl7v3.continuation(DEVICES, hl7v3.read_answer(found), 2, 1), hl7v3.continuation(DEVICES, hl7v3.read_answer(found), cancel=True)]


def test_what_the_wrappers_have_to_say():
    for body in all_written():
        name = body.tag.rpartition("}")[2]
        fixed = hl7v3.INTERACTIONS[name]
        assert hl7v3.find(body, "interactionId").attrib == {"root": "2.16.840.1.113883.1.6", "extension": name}
        assert [hl7v3.find(body, one).get("code") for one in ("processingModeCode", "acceptAckCode")] == ["T", fixed.wants]
        assert len(hl7v3.find_all(body, "receiver/device")) == 1
        act = hl7v3.find(body, "controlActProcess")
        assert (act is None) == (fixed.trigger == "")
        assert act is None or hl7v3.find(act, "code").get("code") == fixed.trigger and act.get("moodCode") == "EVN"
        assert not name.startswith("PRPA") or fixed.trigger == name.replace("IN", "TE")
        if fixed.wants == "NE" and act is not None:
            assert hl7v3.find(act, "queryByParameter/queryId").attrib == hl7v3.find(act, "queryAck/queryId").attrib


@pytest.mark.skipif(not SCHEMAS or not (Path(SCHEMAS) / "hl7v3").is_dir(), reason="COURSEKIT_SCHEMAS names no folder with HL7's v3 schemas")
def test_the_published_schemas_agree():
    for body in all_written():
        name = body.tag.rpartition("}")[2]
        etree.XMLSchema(etree.parse(str(Path(SCHEMAS) / "hl7v3" / "multicacheschemas" / f"{name}.xsd"))).assertValid(again(body))


# As others write it

def test_a_feed_of_others():
    body = theirs(hl7v3.ADD, event(
        '<id extension="W5" assigningAuthorityName="domain2"/><id root="2.999.1.1" extension="T944"/><id nullFlavor="NI"/>'
        '<statusCode code="active"/><patientPerson classCode="PSN" determinerCode="INSTANCE"><name use="P"><family>STAGE</family></name>'
        '<name><prefix qualifier="AC">Dr.</prefix><given>OVIE</given><given>R.</given><family qualifier="BR">DEAN</family>'
        '<family qualifier="">BERGAN</family></name><telecom use="H" value="mailto:x@example.org"/><telecom use="H" value="tel:012-0001"/>'
        '<administrativeGenderCode code="1"/><birthTime value="20020329114500"/><addr><houseNumber>12</houseNumber><city>Bern</city>'
        '<streetName>Ruelle</streetName></addr><addr><city>Elsewhere</city></addr><asOtherIDs classCode="ACCESS"><id root="2.999.1.2" '
        'extension="76"/><scopingOrganization classCode="ORG" determinerCode="INSTANCE"><id root="2.999.1.2"/></scopingOrganization>'
        '</asOtherIDs></patientPerson><providerOrganization classCode="ORG" determinerCode="INSTANCE"><id root="2.999.1.1"/><contactParty '
        'classCode="CON"/></providerOrganization>'), prefix="ns1")
    assert hl7v3.read_feed(body) == ([("", "W5"), ("2.999.1.1", "T944"), ("2.999.1.2", "76")], {
        **NOBODY, "family": "BERGAN", "given": "OVIE", "middle": "R.", "birth_date": "20020329", "sex": "U", "street": "Ruelle 12",
        "city": "Bern", "phone": "012-0001"}, [])


def test_a_merge_of_others():
    body = theirs(hl7v3.RESOLVE, event(
        '<id extension="120-01" root="2.999.1.1"/><statusCode code="active"/><patientPerson classCode="PSN" determinerCode="INSTANCE">'
        '<name>Unknown</name></patientPerson>',
        '<replacementOf typeCode="RPLC"><priorRegistration classCode="REG" moodCode="EVN"><statusCode code="obsolete"/><subject1 '
        'typeCode="SBJ"><priorRegisteredRole classCode="PAT"><id root="2.999.1.1" extension="120-02" assigningAuthorityName="d"/>'
        '</priorRegisteredRole></subject1></priorRegistration></replacementOf>'))
    assert hl7v3.read_feed(body) == ([("2.999.1.1", "120-01")], {**NOBODY, "family": "Unknown"}, [("2.999.1.1", "120-02")])


def test_queries_of_others():
    asked = hl7v3.read_pix_query(theirs(hl7v3.PIX_QUERY, query(
        '<dataSource><value root="2.999.1.2"/><semanticsText>DataSource.id</semanticsText></dataSource><patientIdentifier><value '
        'extension="PIX10501" assigningAuthorityName="X" root="2.999.1.1"/><semanticsText>Patient.id</semanticsText></patientIdentifier>')))
    assert asked.identifiers == [("2.999.1.1", "PIX10501")] and asked.query_id == {"root": "2.999.8", "extension": "18204"}
    assert asked.domains == [("2.999.1.2", "/PRPA_IN201309UV02/controlActProcess/queryByParameter/parameterList/dataSource/value")]
    asked = hl7v3.read_pdq_query(theirs(hl7v3.PDQ_QUERY, query(
        '<id root="2.999.3"/><livingSubjectAdministrativeGender><value code="UN"/><semanticsText>x</semanticsText>'
        '</livingSubjectAdministrativeGender><livingSubjectBirthTime><value value="19400101"/><semanticsText>LivingSubject..birthTime'
        '</semanticsText></livingSubjectBirthTime><livingSubjectName><value use="L SRCH" xsi:type="ns1:EN"><given>MARY</given><given '
        'qualifier="AD">Annemarie</given><family qualifier="BR">Wurm</family><family>Heidi</family></value><semanticsText>x</semanticsText>'
        '</livingSubjectName><livingSubjectName><value><family>Maiden*</family></value><semanticsText/></livingSubjectName><patientAddress>'
        '<value><streetAddressLine>Ruelle</streetAddressLine><state>WI</state></value><value><city>Bern</city></value><semanticsText/>'
        '</patientAddress>', '<responseModalityCode code="R"/><initialQuantity xsi:type="ns1:INT" value="30"/><matchCriterionList>'
        '<minimumDegreeMatch><value xsi:type="ns1:INT" value="75"/><semanticsText/></minimumDegreeMatch></matchCriterionList>'),
        prefix="ns1"))
    one, mary, maiden = {"sex": "O", "birth_date": "19400101"}, {"family": "Heidi*", "given": "MARY*"}, {"family": "Maiden"}
    assert asked.criteria == [{**one, **name, **place} for name in (mary, maiden) for place in ({"street": "Ruelle"}, {"city": "Bern"})]
    assert asked.quantity == 30 and asked.domains == []


def test_answers_of_others():
    acknowledged = theirs(hl7v3.ACKNOWLEDGEMENT, "", '<acknowledgement><typeCode code="CA"/><targetMessage><id root="2.999.9"/>'
                          '</targetMessage><acknowledgementDetail/></acknowledgement>', "hl7")
    assert hl7v3.read_answer(acknowledged)[:4] == ("CA", "", [], [])
    found = hl7v3.read_answer(theirs(hl7v3.PIX_ANSWER, event(
        '<id root="2.999.1.1" extension="34827G409"/><statusCode code="active"/><patientPerson classCode="PSN" determinerCode="INSTANCE">'
        '<name nullFlavor="NA">\n</name><asOtherIDs classCode="PAT"><id root="2.999.1.2" extension="38273N237"/><scopingOrganization '
        'classCode="ORG" determinerCode="INSTANCE"><id root="2.999.1.2"/></scopingOrganization></asOtherIDs></patientPerson>')
        + '<queryAck><queryId root="2.999.8"/><queryResponseCode code="OK"/></queryAck>',
        '<acknowledgement><typeCode code="CA"/><targetMessage><id root="2.999.9"/></targetMessage></acknowledgement>'))
    assert found.people == [([("2.999.1.1", "34827G409"), ("2.999.1.2", "38273N237")], NOBODY)]
    assert found.code == "OK" and found.remaining == 0
    refused = hl7v3.read_answer(theirs(hl7v3.PIX_ANSWER, "", '<acknowledgement><typeCode code="AE"/><targetMessage><id root="2.999.9"/>'
                                       '</targetMessage><acknowledgementDetail typeCode="E"><code code="204" codeSystem='
                                       '"2.16.840.1.113883.12.357"/><text>Unknown</text><location>/x</location></acknowledgementDetail>'
                                       '</acknowledgement>'))
    assert refused.problems == [Problem("204", "Unknown", "/x")]


def test_the_types_in_the_copy_of_a_query_mean_the_same():
    """Whatever prefixes others use in xsi:type, and wherever they declare them."""
    for prefix in ("", "ns1", "odd"):
        request = theirs(hl7v3.PDQ_QUERY, query('<livingSubjectName><value xsi:type="odd:EN"><family>X</family></value><semanticsText/>'
                                                '</livingSubjectName>'), prefix=prefix)
        outer = xml.parse(xml.encode(request).replace(b" ITSVersion", b' xmlns:odd="urn:hl7-org:v3" ITSVersion') if prefix != "odd" else
                          xml.encode(request))
        value = hl7v3.find(again(hl7v3.pdq_answer(outer)), f"{hl7v3.QUERY}/parameterList/livingSubjectName/value")
        declared, _, name = value.get(f"{{{hl7v3.XSI}}}type").rpartition(":")
        assert value.nsmap[declared or None] == hl7v3.HL7 and name == "EN"
        assert hl7v3.read_pdq_query(outer).criteria == [{"family": "X"}], "the request keeps its query"


def test_a_character_that_xml_lacks_spoils_nothing():
    body = again(hl7v3.feed(hl7v3.ADD, DEVICES, ("2.999.1.1", "H\x01"), {**NOBODY, "family": "A\x00B\ud800"}))
    assert hl7v3.read_feed(body) == ([("2.999.1.1", "H\ufffd")], {**NOBODY, "family": "A\ufffdB\ufffd"}, [])


# What can't be acted on

PARAMETERS = "/PRPA_IN201305UV02/controlActProcess/queryByParameter/parameterList"
NAME = "<livingSubjectName><value><family>{}</family></value><semanticsText/></livingSubjectName>"


@pytest.mark.parametrize("parameters, code, place", [
    ("", "101", PARAMETERS), (NAME.format("*"), "101", PARAMETERS),
    ("<patientTelecom><value/></patientTelecom>", "207", f"{PARAMETERS}/patientTelecom"),
    ("<livingSubjectBirthTime><value value='Jan'/></livingSubjectBirthTime>", "102", f"{PARAMETERS}/livingSubjectBirthTime/value"),
    ("<livingSubjectBirthTime><value value='196'/></livingSubjectBirthTime>", "102", f"{PARAMETERS}/livingSubjectBirthTime/value"),
    ("<livingSubjectBirthTime><value><high value='19x'/></value></livingSubjectBirthTime>", "102",
     f"{PARAMETERS}/livingSubjectBirthTime/value"),
    ("<livingSubjectBirthTime><value nullFlavor='UNK'/></livingSubjectBirthTime>", "102", f"{PARAMETERS}/livingSubjectBirthTime/value"),
    ("<livingSubjectAdministrativeGender><value code='X'/></livingSubjectAdministrativeGender>", "103",
     f"{PARAMETERS}/livingSubjectAdministrativeGender/value"), (NAME.format("X") * 51, "207", PARAMETERS),
])
def test_demographics_queries_that_are_refused(parameters, code, place):
    with pytest.raises(BadInteraction) as refused:
        hl7v3.read_pdq_query(theirs(hl7v3.PDQ_QUERY, query(parameters)))
    assert [(one.code, one.location) for one in refused.value.problems] == [(code, place)] and refused.value.code == "QE"


@pytest.mark.parametrize("read, name, act, code", [
    (hl7v3.read_feed, hl7v3.ADD, "", "101"), (hl7v3.read_feed, hl7v3.ADD, event('<id root="2.9" extension="1"/>') * 2, "101"),
    (hl7v3.read_feed, hl7v3.ADD, event(""), "101"), (hl7v3.read_feed, hl7v3.ADD, event('<id root="2.999.1.1"/>'), "101"),
    (hl7v3.read_feed, hl7v3.RESOLVE, event('<id root="2.9" extension="1"/>'), "101"),
    (hl7v3.read_pix_query, hl7v3.PIX_QUERY, "", "101"), (hl7v3.read_pix_query, hl7v3.PIX_QUERY, query(""), "101"),
    (hl7v3.read_pix_query, hl7v3.PIX_QUERY, query('<patientIdentifier><value/><value/></patientIdentifier>'), "101"),
    (hl7v3.read_pix_query, hl7v3.PIX_QUERY, "<queryByParameter><parameterList/></queryByParameter>", "101"),
    (hl7v3.read_pdq_query, hl7v3.PDQ_QUERY, query(NAME.format("X"), '<initialQuantity value="-1"/>'), "102"),
    (hl7v3.read_pdq_query, hl7v3.PDQ_QUERY, query(NAME.format("X"), '<initialQuantity/>'), "102"),
    (hl7v3.read_continuation, hl7v3.CONTINUATION, "", "101"),
    (hl7v3.read_continuation, hl7v3.CONTINUATION, "<queryContinuation><queryId/><startResultNumber value='x'/></queryContinuation>", "102"),
])
def test_interactions_that_are_refused(read, name, act, code):
    with pytest.raises(BadInteraction) as refused:
        read(theirs(name, act))
    assert [one.code for one in refused.value.problems] == [code] and refused.value.problems[0].location.startswith(f"/{name}/")
