"""Audit messages (PS3.15 A.5.1), syslog headers (RFC 5424) and octet counting (RFC 6587), written and read."""

import pytest

from coursekit.standards import audit

WHO = audit.participant("mkeller@hvgh.example", True, name="Keller, <Max> & \"Co\"", host="10.20.60.7")
WHERE = audit.participant("2214", False, ("110152",), "HV_PACS", "AETITLES=HV_PACS", "hv-pacs")
WHAT = (audit.study("2.999.1.5", "CT HEAD", "A1", (("1.2.840.10008.5.1.4.1.1.2", 32), ("1.2.840.10008.5.1.4.1.1.88.67", 1)))
        + audit.patient("HV1", "SCHÄFER^KÄTHE=森山^春香", "VIP"))
GOOD = audit.message("110103", "R", "2025-03-30T01:58:33.611Z", WHO + WHERE, "HV_PACS", WHAT, site="HVGH", source_type="4")


def test_what_is_written_is_read():
    said = audit.read(GOOD)
    assert (said["event"], said["action"], said["outcome"], said["source"], said["site"]) == ("110103", "R", "0", "HV_PACS", "HVGH")
    person, process = said["participants"]
    assert person["user_id"] == "mkeller@hvgh.example" and person["requestor"] and person["name"] == 'Keller, <Max> & "Co"'
    assert process["roles"] == ["110152"] and not process["requestor"] and process["alternative"] == "AETITLES=HV_PACS"
    study, patient = said["objects"]
    assert (study["id"], study["id_type"], study["role"], study["accessions"]) == ("2.999.1.5", "110180", "3", ["A1"])
    assert study["sop_classes"] == {"1.2.840.10008.5.1.4.1.1.2": 32, "1.2.840.10008.5.1.4.1.1.88.67": 1}
    assert (patient["id"], patient["id_type"], patient["type"], patient["name"]) == ("HV1", "2", "1", "SCHÄFER^KÄTHE=森山^春香")
    assert audit.problems(GOOD) == audit.problems(GOOD.encode("utf-8")) == []


def test_a_query_carries_its_data_set():
    query = audit.thing("1.2.840.10008.5.1.4.31", "110181", role="3", query=b"\x08\0\x52\0\x06\0\0\0STUDY ",
                        details=(("TransferSyntax", "1.2.840.10008.1.2"),))
    (said,) = audit.read(audit.message("110112", "E", "2025-03-30T07:10:00Z", WHO, "HV_VNA", query))["objects"]
    assert said["query"].endswith(b"STUDY ") and said["details"] == {"TransferSyntax": b"1.2.840.10008.1.2"}


def test_an_accession_number_without_sop_classes_is_a_detail():
    xml = audit.message("110109", "C", "2025-03-30T01:22:10Z", WHO, "RIS", audit.study("2.999.1.6", "CT HEAD", "A2"))
    (said,) = audit.read(xml)["objects"]
    assert said["accessions"] == [] and said["details"] == {"AccessionNumber": b"A2"}


@pytest.mark.parametrize("old, new, about", [
    (' csd-code="110103"', ' code="110103"', "RFC 3881"),
    ('EventOutcomeIndicator="0"', 'EventOutcomeIndicator="1"', "EventOutcomeIndicator '1'"),
    (WHO + WHERE, "", "ActiveParticipant is missing"),
    ('EventActionCode="R"', 'EventActionCode="X"', "EventActionCode"),
    ("2025-03-30T01:58:33.611Z", "2025-03-30 01:58:33", "xsd:dateTime"),
    (' originalText="Study Instance UID"', "", "originalText"),
    ('UserIsRequestor="true"', 'UserIsRequestor="yes"', "UserIsRequestor"),
    (' UserID="2214"', "", "UserID"),
    ("<ParticipantObjectName>CT HEAD</ParticipantObjectName>", "", "ParticipantObjectName or ParticipantObjectQuery"),
    (WHO + WHERE, WHAT + WHO, "order"),
    ("<AuditMessage>", "<AuditMessage", "well-formed"),
])
def test_what_is_wrong_is_found(old, new, about):
    assert old in GOOD
    assert any(about in problem for problem in audit.problems(GOOD.replace(old, new)))


def test_the_older_form_can_still_be_read():
    old = GOOD.replace(" csd-code=", " code=")
    assert audit.read(old)["event"] == "110103" and audit.problems(old)


@pytest.mark.parametrize("xml", [
    '<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;&x;">]><AuditMessage>&z;</AuditMessage>',
    '<!DOCTYPE a SYSTEM "file:///etc/passwd"><AuditMessage/>',
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><AuditMessage>&x;</AuditMessage>',
])
def test_entities_are_off(xml):
    with pytest.raises(audit.Malformed, match="document type"):
        audit.tree(xml)
    assert audit.problems(xml)


def test_the_header():
    line = audit.syslog(GOOD, "2025-03-30T01:58:33.611Z", "hv-pacs.hvgh.example", "HV_PACS", "2214", sequence=17)
    assert line.startswith('<85>1 2025-03-30T01:58:33.611Z hv-pacs.hvgh.example HV_PACS 2214 DICOM+RFC3881 [meta sequenceId="17"] ')
    read = audit.read_syslog(line.encode("utf-8"))
    assert (read.facility, read.severity, read.sequence, read.kind, read.process) == (10, 5, 17, "DICOM+RFC3881", "2214")
    assert read.text == GOOD
    bare = audit.read_syslog(audit.syslog(GOOD, "2025-03-30T01:58:33Z", "ris", "RIS", bom=False))
    assert bare.sequence is None and bare.data == "-" and bare.text == GOOD


@pytest.mark.parametrize("octets", [b"", b"hello", b"<85>Mar 30 01:58:33 host app: text", b"<192>1 - - - - - -", b"<85>2 - - - - - -",
                                    b"<85>1 - - - - - - \xff\xfe"])
def test_another_header_is_refused(octets):
    with pytest.raises(audit.Malformed):
        audit.read_syslog(octets)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, 10_000])
def test_frames_survive_being_split(size):
    texts = ["a", GOOD, "ü" * 5, "x" * 999]
    stream = b"".join(map(audit.frame, texts))
    assert audit.frame("ü") == b"2 \xc3\xbc"
    deframer, got = audit.Deframer(), []
    for start in range(0, len(stream), size):
        got += deframer.feed(stream[start:start + size])
    assert [one.decode("utf-8") for one in got] == texts and deframer.waiting == 0
    assert deframer.feed(b"12 abc") == [] and deframer.waiting == 6


@pytest.mark.parametrize("octets", [b"<85>1 ", b"0 x", b"05 hello", b" x", b"99999999999999", b"999999999 x"])
def test_a_lost_stream_is_noticed(octets):
    with pytest.raises(audit.Malformed):
        audit.Deframer().feed(octets)


def test_what_xml_does_not_have_is_replaced():
    hostile = "A\x00\x1f\ud800\udc80\uffff<\tB"
    xml = audit.message("110110", "C", "2025-03-30T07:10:00Z", audit.participant(hostile, True), "X", audit.patient("1", hostile, details=(("MSH-10", hostile),)))
    said = audit.read(xml.encode("utf-8"))
    assert audit.problems(xml) == [] and said["participants"][0]["user_id"] == "A\ufffd\ufffd\ufffd\ufffd\ufffd<\tB" == said["objects"][0]["name"]
    assert said["objects"][0]["details"] == {"MSH-10": b"A\x00\x1f??\xef\xbf\xbf<\tB"}
