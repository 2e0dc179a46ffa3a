"""HL7 orders as worklist items: each field in its attribute, and what DICOM has no room for refused with a sentence."""

from datetime import timedelta, timezone

import pytest

from coursekit.standards import hl7
from coursekit.standards.order_mapping import Site, Station, order_to_items, patient_attributes, person_name, prior_identifier, single_steps

ORM = r"""MSH|^~\&|RIS|HVGH|HV_MWL|HVGH|20250407080000+0200||ORM^O01|R1|P|2.3.1||||||8859/1
PID|1||HV100234^^^HVGH&2.999.1.1&ISO^MR||VANDERMEER^ANNA^ELISE^JR^DR^PHD||19610817|F||||||||||ACC7
PV1|1|I|Ward 3B^12^1^HVGH|||||1004^ASHFORD^MIRIAM^^^DR|||||||B6||||V210^^^HVGH&2.999.1.1&ISO^VN
ORC|NW|P1^HIS|F1^RIS||SC||1^once^^20250407093000+0200^^S||20250407080000+0200|||1011^TERBRUGGEN^JORIS^^^DR
OBR|1|P1^HIS|F1^RIS|CTHD^CT HEAD \T\ NECK^99HV^CTHD-1^CT head routine^99HV||||||||Infection risk|Pacemaker||^^^^L\
|1011^TERBRUGGEN^JORIS^^^DR||A2504070001|RP1|SPS1||||CT|||1^once^^20250407093000+0200^^S|||CART|^Headache \T\ nausea\
|||2004&WESTERHOF&TJITSKE^20250407||||||||||CTHN^CT HEAD \T\ NECK^99HV
ZDS|2.999.2.1^HVGH^Application^DICOM
""".replace("\\\n", "").replace("\n", "\r")
OMI = r"""MSH|^~\&|ECC_RIS|ECC|HV_MWL|HVGH|20250407080000||OMI^O23^OMI_O23|E1|P|2.5.1||||||UNICODE UTF-8
PID|1||B7^^^ECC&2.999.1.2&ISO^PT~HV100235^^^HVGH&2.999.1.1&ISO^MR||LÖWE&van^JÜRGEN||196108|M
PV1|1|O
ORC|NW|P2^ECC_RIS|F2^ECC_RIS||SC||||20250407080000
TQ1|1||||||202504071015||A
OBR|1|P2^ECC_RIS|F2^ECC_RIS|PETCT^PET/CT^99HV||||||||||||1011^TERBRUGGEN^JORIS^^^DR
IPC|A2504070002^HVGH^2.999.1.1^ISO|RP2|2.999.2.2|SPS2A|PT|PETWB^PET whole body^99HV|PETCT1|NM^Nuclear medicine, basement|PETCT1
IPC|A2504070002^HVGH^2.999.1.1^ISO|RP2|2.999.2.2|SPS2B|CT|CTAC^CT for attenuation^99HV~CTLD^Low dose^99HV|PETCT1|Nuclear medicine|PETCT1
""".replace("\n", "\r")


def one(text, site=Site()):
    item, = order_to_items(text, site)
    return item, item.ScheduledProcedureStepSequence[0]


def test_each_field_of_an_orm_is_in_its_attribute():
    item, step = one(ORM)
    assert (item.PatientID, item.IssuerOfPatientID, item.PatientBirthDate, item.PatientSex) == ("HV100234", "HVGH", "19610817", "F")
    qualifier = item.IssuerOfPatientIDQualifiersSequence[0]
    assert (qualifier.UniversalEntityID, qualifier.UniversalEntityIDType) == ("2.999.1.1", "ISO")
    assert item.PatientName == "VANDERMEER^ANNA^ELISE^DR^JR PHD"                        # HL7: suffix, prefix; DICOM: prefix, suffix
    assert (item.AdmissionID, item.CurrentPatientLocation, item.PregnancyStatus) == ("V210", "Ward 3B 12 1", 3)
    assert (item.PatientState, item.MedicalAlerts) == ("Infection risk", "Pacemaker")
    assert (item.ReferringPhysicianName, item.RequestingPhysician) == ("ASHFORD^MIRIAM^^DR", "TERBRUGGEN^JORIS^^DR")
    assert (item.AccessionNumber, item.RequestedProcedureID, item.StudyInstanceUID) == ("A2504070001", "RP1", "2.999.2.1")
    assert (item.PlacerOrderNumberImagingServiceRequest, item.FillerOrderNumberImagingServiceRequest) == ("P1", "F1")
    assert (item.RequestedProcedureDescription, item.RequestedProcedureCodeSequence[0].CodeValue) == ("CT HEAD & NECK", "CTHN")
    assert (item.RequestedProcedurePriority, item.ReasonForTheRequestedProcedure) == ("STAT", "Headache & nausea")
    assert item.PatientTransportArrangements == "CART"
    assert (step.Modality, step.ScheduledStationAETitle, step.ScheduledStationName) == ("CT", "CT", "CT")
    assert (step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime) == ("20250407", "093000")
    assert (step.ScheduledProcedureStepID, step.ScheduledProcedureStepStatus) == ("SPS1", "SCHEDULED")
    assert (step.ScheduledProcedureStepDescription, step.ScheduledProtocolCodeSequence[0].CodeValue) == ("CT head routine", "CTHD-1")
    assert step.ScheduledPerformingPhysicianName == "WESTERHOF^TJITSKE"


def test_each_ipc_of_an_omi_is_an_item():
    pet, ct = order_to_items(OMI)
    assert (pet.PatientID, pet.PatientName, pet.PatientBirthDate) == ("HV100235", "LÖWE^JÜRGEN", "")
    assert (pet.AccessionNumber, pet.PregnancyStatus, pet.RequestedProcedurePriority) == ("A2504070002", 4, "HIGH")
    assert pet.StudyInstanceUID == ct.StudyInstanceUID == "2.999.2.2"
    first, second = pet.ScheduledProcedureStepSequence[0], ct.ScheduledProcedureStepSequence[0]
    assert [(step.Modality, step.ScheduledProcedureStepID) for step in (first, second)] == [("PT", "SPS2A"), ("CT", "SPS2B")]
    assert (first.ScheduledStationAETitle, first.ScheduledProcedureStepLocation) == ("PETCT1", "Nuclear medicine")      # SH: 16 characters
    assert (first.ScheduledProcedureStepStartDate, first.ScheduledProcedureStepStartTime) == ("20250407", "101500")
    assert [code.CodeValue for code in second.ScheduledProtocolCodeSequence] == ["CTAC", "CTLD"]


def test_several_obr_under_one_orc_are_several_steps():
    second = ORM.split("\r")[4].replace("OBR|1|", "OBR|2|").replace("SPS1", "SPS2")
    items = order_to_items(ORM.replace("\rZDS", f"\r{second}\rZDS"))
    assert [item.ScheduledProcedureStepSequence[0].ScheduledProcedureStepID for item in items] == ["SPS1", "SPS2"]
    assert {(item.StudyInstanceUID, item.PlacerOrderNumberImagingServiceRequest) for item in items} == {("2.999.2.1", "P1")}


def test_all_that_type_1_and_2_ask_for_is_there_though_nothing_is_said():
    poor = "\r".join(line for line in ORM.split("\r") if not line.startswith("PV1")).replace("||19610817|F||||||||||ACC7", "")
    item, step = one(poor)
    for keyword in ("AccessionNumber", "ReferringPhysicianName", "PatientBirthDate", "PatientSex", "AdmissionID", "CurrentPatientLocation"):
        assert keyword in item
    assert (item.PatientBirthDate, item.PatientSex, item.AdmissionID, item.PregnancyStatus) == ("", "", "", 4)


@pytest.mark.parametrize("place, accession", [("OBR-18", "A2504070001"), ("OBR-3", "F1"), ("OBR-2.1", "P1"), ("ORC-3.1", "F1")])
def test_the_accession_number_stands_where_the_site_says(place, accession):
    assert one(ORM, Site(accession=place))[0].AccessionNumber == accession


def test_which_number_of_pid_3_counts():
    assert order_to_items(OMI)[0].PatientID == "HV100235"                               # the first of type MR
    assert order_to_items(OMI, Site(authority="ECC"))[0].PatientID == "B7"
    assert order_to_items(OMI, Site(authority="2.999.1.1"))[0].PatientID == "HV100235"
    with pytest.raises(hl7.Refusal, match="PID-3 has no number of NMH") as refused:
        order_to_items(OMI, Site(authority="NMH"))
    assert (refused.value.code, refused.value.number, refused.value.place) == ("AE", "204", "PID^1^3")


def test_the_station_comes_from_the_sites_table():
    site = Site(stations={"CT": Station("CTER01", "CTER01", "Emergency"), "MR": ("MR1",)})
    _, step = one(ORM, site)
    assert (step.ScheduledStationAETitle, step.ScheduledProcedureStepLocation) == ("CTER01", "Emergency")
    _, step = one(ORM.replace("||||CT|||1^once", "||||MR|||1^once"), site)
    assert (step.ScheduledStationAETitle, step.ScheduledStationName) == ("MR1", "MR1")
    with pytest.raises(hl7.Refusal, match="no station for OBR-4.1 'CTHD'"):
        one(ORM, Site(resource="OBR-4.1", stations={"MRHD": Station("MR1")}))
    assert order_to_items(OMI, site)[0].ScheduledProcedureStepSequence[0].ScheduledStationAETitle == "PETCT1"           # IPC-9


def test_the_character_set_that_a_sender_really_writes():
    wrong = OMI.replace("UNICODE UTF-8", "8859/1").encode("utf-8")
    assert order_to_items(wrong)[0].PatientName == "LÃ\x96WE^JÃ\x9cRGEN".replace("\x96", " ").replace("\x9c", " ")
    assert order_to_items(wrong, Site(charset="UNICODE UTF-8"))[0].PatientName == "LÖWE^JÜRGEN"


@pytest.mark.parametrize("sent, birth", [
    ("19610817", "19610817"), ("196108170430", "19610817"), ("1961", ""), ("196108", ""), ("19610000", ""), ("19610230", ""), ('""', ""),
    ("", ""),
])
def test_a_birth_date_is_whole_or_empty(sent, birth):
    assert one(ORM.replace("19610817", sent))[0].PatientBirthDate == birth


@pytest.mark.parametrize("sent, kept", [
    ("F", "F"), ("M", "M"), ("O", "O"), ("A", "O"), ("U", ""), ("N", ""), ("", ""), ('""', ""), ("f", "F"), ("X", ""),
])
def test_sex(sent, kept):
    assert one(ORM.replace("|19610817|F|", f"|19610817|{sent}|"))[0].PatientSex == kept


@pytest.mark.parametrize("sent, name", [
    ("DOE^JOHN^A^III^MR^MD", "DOE^JOHN^A^MR^III MD"), ("DOE", "DOE"), ("O\\T\\NEILL^A\\S\\B", "O&NEILL^A B"),
    ("van der Berg&van der&Berg^Eva", "van der Berg^Eva"), ('DOE^JOHN^""^""^""', "DOE^JOHN"), ('DOE^""', "DOE"), ("MAIDEN^EVA^^^^^M~DOE^EVA^^^^^L", "DOE^EVA"),
    ("YAMADA^TARO^^^^^L^A~山田^太郎^^^^^L^I~やまだ^たろう^^^^^L^P", "YAMADA^TARO=山田^太郎=やまだ^たろう"), ("", ""), ("^^", ""),
])
def test_names(sent, name):
    assert person_name(sent) == name


@pytest.mark.parametrize("change, number, place, says", [
    (("A2504070001", "ECC-2025-0000012345"), "102", "OBR^1^18", "19 characters: SH holds 16"),
    (("A2504070001", "A\\E\\1"), "102", "OBR^1^18", "no backslash"),
    (("||||CT|||", "||||ct|||"), "102", "OBR^1^24", "CS has capitals"), (("|A2504070001|", "||"), "101", "OBR^1^18", "no Accession Number"),
    (("|SPS1|", "||"), "101", "OBR^1^20", "no Scheduled Procedure Step ID"),
    (("|RP1|", "||"), "101", "OBR^1^19", "no Requested Procedure ID"),
    (("2.999.2.1^", "^"), "101", "ZDS^1^1", "no Study Instance UID"), (("2.999.2.1^", "2.999.02.1^"), "102", "ZDS^1^1", "is no UID"),
    (("2.999.2.1^", "2.999." + "1" * 60 + "^"), "102", "ZDS^1^1", "is no UID"),
    (("\rZDS|", "\rZDX|"), "101", "ZDS^1^1", "no Study Instance UID"),
    (("^20250407093000+0200^", "^20250407^"), "102", "ORC^1^7", "no date with a time"),
    (("^20250407093000+0200^", "^20250432093000^"), "102", "ORC^1^7", "no date with a time"),
    (("^20250407093000+0200^", "^^"), "101", "ORC^1^7", "when the step is to begin"), (("|HV100234^", "|^"), "204", "PID^1^3", "no number"),
    (("VANDERMEER^ANNA^ELISE^JR^DR^PHD", ""), "101", "PID^1^5", "no name"), (("\rPID|", "\rPIX|"), "100", "PID^1", "no PID"),
    (("\rORC|", "\rORX|"), "100", "ORC^1", "no ORC"), (("\rOBR|", "\rOBX|"), "100", "OBR^1", "no OBR"),
    (("||||CT|||", "||||" + "C" * 17 + "|||"), "102", "OBR^1^24", "17 characters"),
])
def test_what_an_item_can_not_be_made_of_is_refused_with_a_sentence(change, number, place, says):
    text = ORM.replace(*change)
    assert text != ORM
    with pytest.raises(hl7.Refusal) as refused:
        order_to_items(text)
    assert (refused.value.code, refused.value.number, refused.value.place) == ("AE", number, place) and says in refused.value.reason


@pytest.mark.parametrize("sent, there", [
    ("20250407073000+0000", ("20250407", "093000")), ("202504072330+0100", ("20250408", "003000")), ("20250407023000-0500", ("20250407", "093000")),
    ("20250407093000+0200", ("20250407", "093000")), ("20250407093000", ("20250407", "093000")), ("20250407093000.5+0200", ("20250407", "093000")),
])
def test_a_start_on_the_sites_clock(sent, there):
    text = ORM.replace("20250407093000+0200", sent)
    _, step = one(text, Site(zone=timezone(timedelta(hours=2))))
    assert (step.ScheduledProcedureStepStartDate, step.ScheduledProcedureStepStartTime) == there
    _, step = one(text)                                                                 # what the sender wrote, without a site's clock
    assert (step.ScheduledProcedureStepStartDate + step.ScheduledProcedureStepStartTime)[:12] == sent[:12]


def test_a_zone_that_can_not_be():
    with pytest.raises(hl7.Refusal, match="no date with a time"):
        one(ORM.replace("093000+0200", "093000+9900"), Site(zone=timezone.utc))


def test_a_code_without_a_meaning_is_its_own_meaning():
    for missing in ("", '""'):
        _, step = one(ORM.replace("CTHD-1^CT head routine", f"CTHD-1^{missing}"))
        assert step.ScheduledProcedureStepDescription == "CTHD-1"


def test_what_people_read_is_cut_and_made_sound():
    item, step = one(ORM.replace("^Headache \\T\\ nausea", "^" + "Pain \\X0A\\left \\E\\ right " + "x" * 80))
    assert item.ReasonForTheRequestedProcedure.startswith("Pain  left   right xxx") and len(item.ReasonForTheRequestedProcedure) == 64


def test_what_an_adt_says_and_does_not_say_of_a_patient():
    head = "MSH|^~\\&|HIS|HVGH|HV_MWL|HVGH|20250407||ADT^A08^ADT_A01|H1|P|2.5.1\r"
    told = patient_attributes(head + 'PID|1||HV100234^^^HVGH^MR||NEW^NAME||""|\r')
    assert (told.PatientName, told.PatientBirthDate) == ("NEW^NAME", "") and "PatientSex" not in told
    assert prior_identifier(head + "PID|1||HV1^^^HVGH^MR\rMRG|HV2^^^HVGH^MR\r") == ("HVGH", "HV2")
    with pytest.raises(hl7.Refusal, match="no MRG"):
        prior_identifier(head + "PID|1||HV1^^^HVGH^MR\r")
    with pytest.raises(hl7.Refusal, match="no PID"):
        patient_attributes(head)


def test_an_order_is_cut_into_single_steps():
    two = hl7.parse("MSH|^~\\&|RIS|HVGH|HV_MWL|HVGH|20250407||OMI^O23|M1|P|2.5.1\rPID|1||HV1^^^HVGH^MR||A^B\rNTE|1||a note\r"
                    "ORC|NW|P1\rTQ1|1||||||20250407100000\rOBR|1|P1||PETCT^PET/CT^99HV\rIPC|A1|RP1|2.999.1|S1|PT\rIPC|A1|RP1|2.999.1|S2|CT\r"
                    "ORC|NW|P2\rOBR|1|P2||CTHD^CT HEAD^99HV\rIPC|A2|RP2|2.999.2|S3|CT\r")
    steps = single_steps(two)
    assert [(one["ORC-2"], one["TQ1-7"], one["OBR-4.1"], one["IPC-1"], one["IPC-4"]) for one in steps] == [
        ("P1", "20250407100000", "PETCT", "A1", "S1"), ("P1", "20250407100000", "PETCT", "A1", "S2"), ("P2", "", "CTHD", "A2", "S3")]
    assert all(len(one.segments("IPC")) == 1 and "NTE" not in one and one["PID-3.1"] == "HV1" for one in steps)
    steps[0]["IPC-1"] = "changed"
    assert two["IPC-1"] == "A1" and steps[1]["OBR-4.1"] == "PETCT"
    with pytest.raises(hl7.Refusal):
        single_steps("MSH|^~\\&|RIS|HVGH|HV_MWL|HVGH|20250407||OMI^O23|M1|P|2.5.1\rPID|1\r")
