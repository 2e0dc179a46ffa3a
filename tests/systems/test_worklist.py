"""The worklist: fed with HL7, asked by pynetdicom and DCMTK, compared with DCMTK's own worklist server."""

import os
import random
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from ports import own_port
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom import sop_class as sop

from coursekit.standards import hl7
from coursekit.standards.associations import at_once
from coursekit.standards.order_mapping import order_to_items
from coursekit.systems.mllp import Sender, send
from coursekit.systems.scu import NoAssociation, Scu
from coursekit.systems.worklist import Worklist
from tests.systems.test_outside import program

MWL, MPPS = sop.ModalityWorklistInformationFind, sop.ModalityPerformedProcedureStep
STEP = ("ScheduledStationAETitle", "ScheduledProcedureStepStartDate", "ScheduledProcedureStepStartTime", "Modality",
        "ScheduledPerformingPhysicianName", "ScheduledProcedureStepDescription", "ScheduledStationName", "ScheduledProcedureStepLocation",
        "ScheduledProcedureStepID", "ScheduledProcedureStepStatus")


def message(event, *lines, number="1", version="2.3.1", charset="UNICODE UTF-8"):
    return "\r".join([f"MSH|^~\\&|RIS|HVGH|HV_MWL|HVGH|20250407080000||{event}|M{number}|P|{version}||||||{charset}", *lines]) + "\r"


def order(number=1, control="NW", status="SC", start="20250407093000", patient="HV100234", name="VANDERMEER^ANNA", station="CTER01",
          modality="CT", study=None, issuer="HVGH", resend=""):
    """An OMI^O23 of one step; everything in it bears the order's number."""
    return message("OMI^O23", f"PID|1||{patient}^^^{issuer}^MR||{name}||19610817|F", "PV1|1|I|Ward 3B||||||||||||||||V1",
                   f"ORC|{control}|P{number}^RIS|F{number}^RIS||{status}", f"TQ1|1||||||{start}||R",
                   f"OBR|1|P{number}^RIS|F{number}^RIS|CTHD^CT HEAD^99HV||||||||||||1004^ASHFORD^MIRIAM",
                   f"IPC|A{number}|RP{number}|{study or f'2.999.2.{number}'}|SPS{number}|{modality}|CTHD-1^Head routine^99HV"
                   f"|{station}|Emergency|{station}",
                   number=f"{number}{control}{status}{start}{resend}", version="2.5.1")


def adt(trigger, patient, *rest, name="VANDERMEER^ANNA", issuer="HVGH", birth="19610817", sex="F"):
    return message(f"ADT^{trigger}", "EVN||20250407", f"PID|1||{patient}^^^{issuer}^MR||{name}||{birth}|{sex}", *rest,
                   number=f"{trigger}{patient}")


def taken(worklist, *messages):
    """What the worklist says of each message: "AA", or code, error and place."""
    said = []
    for one in messages:
        answer = worklist.take(one)
        error = f" {answer['ERR-3.1'] or answer['ERR-1.4.1']}" if "ERR" in answer else ""
        said.append(answer["MSA-1"] + error)
    return said


def calling(worklist, *contexts, title="CTER01", handlers=()):
    entity = AE(title)
    for context in contexts:
        entity.add_requested_context(context)
    return entity.associate("127.0.0.1", worklist.port, ae_title=worklist.title, evt_handlers=[(evt.EVT_CONN_OPEN, at_once), *handlers])


def keys(step=None, **top):
    asked = Dataset()
    for keyword, value in top.items():
        setattr(asked, keyword, value)
    if step is not None:
        asked.ScheduledProcedureStepSequence = [Dataset()]
        for keyword, value in step.items():
            setattr(asked.ScheduledProcedureStepSequence[0], keyword, value)
    return asked


def find(worklist, asked):
    """The answers to a query, (status, Dataset), and the final status."""
    association = calling(worklist, MWL)
    answers = list(association.send_c_find(asked, MWL))
    association.release()
    return [(status.Status, item) for status, item in answers[:-1]], answers[-1][0].Status


def accessions(worklist, asked):
    answers, final = find(worklist, asked)
    assert final == 0
    return [item.AccessionNumber for _, item in answers]


@pytest.fixture
def worklist():
    with Worklist() as worklist:
        yield worklist


# Orders

def test_the_life_of_an_order(worklist):
    assert taken(worklist, order(1), order(2, start="20250406120000")) == ["AA", "AA"]
    assert [item.AccessionNumber for item in worklist.items()] == ["A2", "A1"]              # by start
    assert taken(worklist, order(1, "XO", start="20250405070000")) == ["AA"]
    first = worklist.items()[0]
    assert (first.AccessionNumber, first.StudyInstanceUID) == ("A1", "2.999.2.1")
    assert first.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate == "20250405"
    assert taken(worklist, order(1, "SC", "IP")) == ["AA"]
    assert worklist.items()[0].ScheduledProcedureStepSequence[0].ScheduledProcedureStepStatus == "STARTED"
    assert taken(worklist, order(1, "SC", "CM"), order(2, "CA", "CA")) == ["AA", "AA"]
    assert worklist.items() == []


@pytest.mark.parametrize("end", [("DC", "DC"), ("CA", "CA"), ("SC", "CM"), ("SC", "CA"), ("XO", "CM")])
def test_what_takes_an_order_off_the_list(worklist, end):
    assert taken(worklist, order(1), order(1, *end), order(1, *end, resend="again")) == ["AA", "AA", "AA" if end[0] != "XO" else "AE 204"]
    assert worklist.items() == []
    assert taken(worklist, order(1, "XO"), order(1, resend="again")) == ["AE 204", "AE 205"]


def test_what_is_wrong_with_an_order(worklist):
    taken(worklist, order(1))
    assert taken(worklist, order(1, start="20250408090000")) == ["AE 205"]                  # a new order under a known number
    assert taken(worklist, order(9, "XO"), order(9, "CA", "CA"), order(9, "SC", "CM")) == ["AE 204"] * 3
    assert taken(worklist, order(1, "XO", study="2.999.77")) == ["AE 204"]
    assert taken(worklist, order(3, "HD"), order(1, "SC", "HD")) == ["AE 103"] * 2
    assert taken(worklist, order(3).replace("P3^RIS", "").replace("F3^RIS", ""), order(3).replace("\rORC", "\rORX")) == ["AE 101", "AE 100"]
    assert taken(worklist, order(4).replace("|A4|", "|ECC-2025-0000012345|")) == ["AE 102"]
    assert taken(worklist, adt("A34", "HV1"), message("ORU^R01"), "MSH|^~\\&|RIS", "no message", b"\xff\xfe", 7) == [
        "AR 201", "AR 200", "AE 101", "AE 100", "AE 100", "AE 100"]
    assert [item.AccessionNumber for item in worklist.items()] == ["A1"]


def test_a_message_that_is_sent_again_changes_nothing(worklist):
    assert taken(worklist, order(1), order(1), order(1, "XO", start="20250409100000"), order(1)) == ["AA"] * 4
    assert worklist.items()[0].ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate == "20250409"


def test_a_change_replaces_the_steps_of_its_order(worklist):
    second = "IPC|A1|RP1|2.999.2.1|SPS1B|CT|CTAC^CT for attenuation^99HV|PETCT1|Basement|PETCT1\r"
    assert taken(worklist, order(1) + second) == ["AA"]
    assert [item.ScheduledProcedureStepSequence[0].ScheduledProcedureStepID for item in worklist.items()] == ["SPS1", "SPS1B"]
    assert taken(worklist, order(1, "XO")) == ["AA"]
    assert [item.ScheduledProcedureStepSequence[0].ScheduledProcedureStepID for item in worklist.items()] == ["SPS1"]
    assert taken(worklist, order(2) + second.replace("1B", "2").replace("2.999.2.1", "2.999.2.2")) == ["AE 205"]


def test_two_orders_in_one_message_stand_or_fall_together(worklist):
    both = order(1) + "\r".join(order(2).split("\r")[3:])
    assert taken(worklist, order(2), both) == ["AA", "AE 205"]
    assert len(worklist.items()) == 1
    assert taken(worklist, order(2, "CA", "CA"), order(3) + "\r".join(order(4).split("\r")[3:])) == ["AA", "AA"]
    assert [item.PlacerOrderNumberImagingServiceRequest for item in worklist.items()] == ["P3", "P4"]


# Patients

def patients(worklist):
    return [(item.PatientID, str(item.PatientName)) for item in worklist.items()]


def test_a_patient_is_updated_in_all_items(worklist):
    taken(worklist, order(1), order(2), order(3, patient="HV100235", name="BRANDT^ILSE"))
    assert taken(worklist, adt("A08", "HV100234", "PV1|1|I|ICU||||||||||||||||V1", name="VAN DER MEER^ANNA", birth='""', sex="")) == ["AA"]
    assert patients(worklist) == [("HV100234", "VAN DER MEER^ANNA")] * 2 + [("HV100235", "BRANDT^ILSE")]
    first, _, other = worklist.items()
    assert (first.PatientBirthDate, first.PatientSex, first.CurrentPatientLocation) == ("", "F", "ICU")     # deleted; not sent; moved
    assert other.CurrentPatientLocation == "Ward 3B"
    assert taken(worklist, adt("A08", "HV999999"), adt("A08", "HV100234", issuer="ECC", name="ANOTHER^ONE")) == ["AA", "AA"]
    assert patients(worklist)[0] == ("HV100234", "VAN DER MEER^ANNA")


def merge(survivor, retired, issuer="HVGH", name="VANDERMEER^ANNA"):
    return adt("A40", survivor, f"MRG|{retired}^^^{issuer}^MR", name=name)


def test_a_merge_moves_the_items(worklist):
    taken(worklist, order(1, patient="HVTMP0077", name="UNKNOWN^FEMALE-77"), order(2, patient="HV100235", name="BRANDT^ILSE"))
    assert taken(worklist, merge("HV100234", "HVTMP0077")) == ["AA"]
    assert patients(worklist) == [("HV100234", "VANDERMEER^ANNA"), ("HV100235", "BRANDT^ILSE")]
    # What comes later under the number that is gone is for the patient who is left.
    assert taken(worklist, order(3, patient="HVTMP0077", name="UNKNOWN^FEMALE-77"), merge("HV100234", "HVTMP0077")) == ["AA", "AA"]
    assert patients(worklist)[2] == ("HV100234", "VANDERMEER^ANNA")
    assert taken(worklist, adt("A08", "HVTMP0077")) == ["AE 204"]


@pytest.mark.parametrize("turned", [False, True])
def test_a_chain_of_merges_leads_to_its_end_in_either_order(worklist, turned):
    taken(worklist, order(1, patient="A", name="A^A"), order(2, patient="B", name="B^B"))
    steps = [merge("B", "A", name="B^B"), merge("C", "B", name="C^C")]
    assert taken(worklist, *(reversed(steps) if turned else steps)) == ["AA", "AA"]
    assert patients(worklist) == [("C", "C^C")] * 2
    assert taken(worklist, merge("A", "C", name="A^A"), merge("D", "A")) == ["AE 204", "AE 204"]           # a circle; merged already


def test_a_merge_of_an_unknown_number(worklist):
    taken(worklist, order(1))
    for wrong, place in ((merge("HV100234", "HVTMP0099"), "MRG^1^1"), (merge("HV1", "HV100234", issuer=""), "MRG^1^1^1^4"),
                         (merge("HV100234", "HV100234"), "MRG^1^1"), (merge("HV1", "HV100234", issuer="ECC"), "MRG^1^1")):
        answer = worklist.take(hl7.parse(wrong.replace("|2.3.1|", "|2.5.1|")))
        assert (answer["MSA-1"], answer["ERR-3.1"], answer["ERR-2"]) == ("AE", "204", place)
    assert patients(worklist) == [("HV100234", "VANDERMEER^ANNA")]


# Over the wire, HL7

def test_over_mllp(worklist):
    answers = send(worklist.host, worklist.hl7_port, [order(1).encode(), order(1, start="20250408090000").encode()])
    assert [answer["MSA-1"] for answer in answers] == ["AA", "AE"] and "P1 of RIS is known already" in hl7.complaint(answers[1])
    assert len(worklist.items()) == 1
    assert repr(worklist.journal).splitlines() == [
        "  1  RIS -> HV_MWL  OMI^O23  M1NWSC20250407093000", "  2  HV_MWL -> RIS  ACK  AA M1NWSC20250407093000",
        "  3  RIS -> HV_MWL  OMI^O23  M1NWSC20250408090000", "  4  HV_MWL -> RIS  ACK  AE M1NWSC20250408090000"]
    assert repr(worklist) == "<worklist HV_MWL runs: 1 items, 4 events>"


def test_taken_by_hand_and_over_mllp_look_the_same(worklist):
    worklist.take(order(1))
    by_hand = repr(worklist.journal)
    with Worklist() as other:
        send(other.host, other.hl7_port, order(1).encode())
        assert repr(other.journal) == by_hand


# Queries

@pytest.fixture(scope="module")
def filled():
    with Worklist() as worklist:
        said = taken(
            worklist, order(1), order(2, start="20250407220000", patient="HV100235", name="BRANDT^ILSE", station="MR1", modality="MR"),
            order(3, start="20250408050000", patient="HV100236", name="OKAFOR^DANIEL"),
            order(4, start="20250409080000", patient="HV100237", name="LÖWE^JÜRGEN", station="CT2"),
            order(5, start="20250409093000", patient="HV100238", name="山田^太郎", station="CT2", issuer="ECC"))
        assert said == ["AA"] * 5
        yield worklist


@pytest.mark.parametrize("top, step, found", [
    ({}, {}, "12345"), ({"PatientName": ""}, None, "12345"),                                                            # universal
    ({"PatientName": "*"}, {"Modality": ""}, "12345"), ({"PatientID": "HV100235"}, None, "2"),                          # single value
    ({"PatientName": "OKAFOR^DANIEL"}, {}, "3"), ({"PatientName": "okafor*"}, {}, "3"), ({"PatientName": "OKAFOR"}, {}, ""),
    ({"PatientName": "?RANDT^I*"}, {}, "2"), ({"PatientID": "HV10023[45]"}, {}, ""), ({"AccessionNumber": "A4"}, None, "4"),
    ({}, {"Modality": "MR"}, "2"), ({}, {"ScheduledStationAETitle": "CT2", "Modality": "CT"}, "45"),
    ({}, {"ScheduledStationAETitle": "CT*"}, "1345"), ({}, {"Modality": "ct"}, ""),
    ({}, {"ScheduledProcedureStepStartDate": "20250407"}, "12"), ({}, {"ScheduledProcedureStepStartDate": "20250408-"}, "345"),
    ({}, {"ScheduledProcedureStepStartDate": "-20250407"}, "12"), ({}, {"ScheduledProcedureStepStartDate": "20250407-20250408"}, "123"),
    ({}, {"ScheduledProcedureStepStartTime": "0930"}, "15"), ({}, {"ScheduledProcedureStepStartTime": "0800-1000"}, "145"),
    # Two ranges are one period: the night from the 7th to the 8th.
    ({}, {"ScheduledProcedureStepStartDate": "20250407-20250408", "ScheduledProcedureStepStartTime": "2100-0600"}, "23"),
    ({}, {"ScheduledProcedureStepStartDate": "20250408-", "ScheduledProcedureStepStartTime": "0600-"}, "45"),
    ({}, {"ScheduledProcedureStepStartDate": "-20250408", "ScheduledProcedureStepStartTime": "-0600"}, "123"),
    ({}, {"ScheduledProcedureStepStartDate": "20250409", "ScheduledProcedureStepStartTime": "0900-1000"}, "5"),
    ({"StudyInstanceUID": ["2.999.2.1", "2.999.2.3", "2.999.9"]}, {}, "13"), ({"IssuerOfPatientID": "ECC"}, {}, "5"),
    ({}, {"ScheduledProcedureStepID": "SPS3"}, "3"), ({"AdmissionID": "V1", "PatientSex": "F"}, {}, "12345"),
    ({}, {"ScheduledPerformingPhysicianName": "X*"}, ""), ({"PatientWeight": "70"}, {}, ""),           # unknown fits no value (K.2.2.1.1.1)
])
def test_matching(filled, top, step, found):
    assert accessions(filled, keys(step, **{"AccessionNumber": "", **top})) == [f"A{number}" for number in found]


def test_a_code_within_a_sequence_within_the_step(filled):
    asked = keys({"Modality": ""}, AccessionNumber="")
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "CTHD-1", "99HV"
    asked.ScheduledProcedureStepSequence[0].ScheduledProtocolCodeSequence = [code]
    assert len(accessions(filled, asked)) == 5
    code.CodeValue = "CTHD-2"
    assert accessions(filled, asked) == []


def test_what_is_returned(filled):
    asked = keys(dict.fromkeys(STEP, ""), PatientName="BRANDT*", StudyInstanceUID="", RequestedProcedureID="", PatientWeight=None,
                 Allergies="")
    ((status, item),), _ = find(filled, asked)
    step = item.ScheduledProcedureStepSequence[0]
    assert (status, item.PatientName, item.StudyInstanceUID, item.RequestedProcedureID) == (0xFF00, "BRANDT^ILSE", "2.999.2.2", "RP2")
    assert item["PatientWeight"].is_empty and item["Allergies"].is_empty
    assert "AccessionNumber" not in item and "SpecificCharacterSet" not in item
    assert {element.keyword for element in step} == set(STEP)
    whole, _ = find(filled, keys(PatientName="BRANDT*", ScheduledProcedureStepSequence=[]))            # an empty sequence: all of it
    assert "ScheduledProtocolCodeSequence" in whole[0][1].ScheduledProcedureStepSequence[0]


def test_a_key_that_is_not_supported_is_ignored_and_makes_ff01(filled):
    asked = keys({"Modality": "MR"}, AccessionNumber="", PatientComments="something", StudyDate="")
    ((status, item),), final = find(filled, asked)
    assert (status, item.AccessionNumber, final) == (0xFF01, "A2", 0) and "PatientComments" not in item
    # The usual mistake: keys of the step beside the sequence, not in it. They select nothing.
    answers, _ = find(filled, keys(AccessionNumber="", Modality="MR"))
    assert [status for status, _ in answers] == [0xFF01] * 5


def test_a_query_that_can_not_be_processed(filled):
    two = keys({"Modality": "CT"}, AccessionNumber="")
    two.ScheduledProcedureStepSequence.append(Dataset())
    assert find(filled, two) == ([], 0xA900)
    assert find(filled, keys(StudyDate="20250407")) == ([], 0xA900)                         # nothing that a worklist has


@pytest.mark.parametrize("charset, name, returned", [
    ("ISO_IR 100", "LÖWE*", "ISO_IR 100"), ("ISO_IR 192", "LÖWE*", "ISO_IR 192"), ("ISO_IR 192", "山*", "ISO_IR 192"),
    ("ISO_IR 100", "??^??", "ISO_IR 192"), (None, "??^??", "ISO_IR 192"), ("ISO_IR 100", "BRANDT*", "ISO_IR 100"), (None, "BRANDT*", None),
    (["ISO_IR 100", "ISO 2022 IR 87"], "LÖWE*", "ISO_IR 192"),
])
def test_character_sets(filled, charset, name, returned):
    asked = keys({}, PatientName=name)
    if charset:
        asked.SpecificCharacterSet = charset
    ((_, item),), _ = find(filled, asked)
    assert item.get("SpecificCharacterSet") == returned
    assert item.PatientName in ("LÖWE^JÜRGEN", "山田^太郎", "BRANDT^ILSE")


def test_a_query_is_cancelled():
    with Worklist() as worklist:
        for number in range(60):
            worklist.take(order(number))
        association = calling(worklist, MWL)
        statuses = []
        for status, _ in association.send_c_find(keys({}, AccessionNumber=""), MWL, msg_id=5):
            statuses.append(status.Status)
            if len(statuses) == 1:
                association.send_c_cancel(5, query_model=MWL)
        association.release()
        assert statuses[-1] in (0xFE00, 0x0000) and len(statuses) <= 61


def test_who_may_call():
    with Worklist(callers=["CT_ER"]) as worklist:
        with pytest.raises(NoAssociation, match="calling AE title not recognized"):         # Case 17: the renamed scanner
            Scu("CTER01", worklist.title, worklist.port).echo()
        assert [event.detail for event in worklist.journal if event.what == "A-ASSOCIATE-RJ"] == ["1/1/3: calling AE title not recognized"]


# Performed steps

def performed(status, *steps, reason=None):
    made = Dataset()
    made.PerformedProcedureStepStatus = status
    if steps:
        made.ScheduledStepAttributesSequence = []
        for number in steps:
            one = Dataset()
            one.StudyInstanceUID, one.ScheduledProcedureStepID, one.AccessionNumber = f"2.999.2.{number}", f"SPS{number}", f"A{number}"
            made.ScheduledStepAttributesSequence.append(one)
    if reason:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = reason, "DCM", "-"
        made.PerformedProcedureStepDiscontinuationReasonCodeSequence = [code]
    return made


def statuses(worklist):
    return {item.AccessionNumber: item.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStatus for item in worklist.items()}


def test_performed_steps_mark_and_take_off(worklist):
    taken(worklist, order(1), order(2), order(3))
    association = calling(worklist, MPPS)
    assert association.send_n_create(performed("IN PROGRESS", 1, 2), MPPS, "2.999.50")[0].Status == 0
    assert association.send_n_create(performed("IN PROGRESS", 3), MPPS, "2.999.51")[0].Status == 0
    assert statuses(worklist) == {"A1": "STARTED", "A2": "STARTED", "A3": "STARTED"}
    assert association.send_n_set(performed("COMPLETED"), MPPS, "2.999.50")[0].Status == 0
    assert statuses(worklist) == {"A3": "STARTED"}                                         # one step may fulfil two orders
    assert association.send_n_set(performed("DISCONTINUED", reason="110501"), MPPS, "2.999.51")[0].Status == 0
    assert statuses(worklist) == {}
    refused = association.send_n_set(performed("COMPLETED"), MPPS, "2.999.50")[0]
    assert (refused.Status, refused.ErrorID) == (0x0110, 0xA710)
    assert association.send_n_set(performed("COMPLETED"), MPPS, "2.999.59")[0].Status == 0x0112
    assert association.send_n_create(performed("IN PROGRESS", 1), MPPS, "2.999.50")[0].Status == 0x0111
    assert association.send_n_create(performed("COMPLETED", 1), MPPS, "2.999.60")[0].Status == 0x0106
    association.release()


def test_the_wrong_entry_stays_on_the_list():
    with Worklist(off_at=("IN PROGRESS", "COMPLETED", "DISCONTINUED")) as worklist:
        taken(worklist, order(1))
        association = calling(worklist, MPPS)
        association.send_n_create(performed("IN PROGRESS", 1), MPPS, "2.999.50")
        assert statuses(worklist) == {}
        assert taken(worklist, order(1, "XO", start="20250408090000")) == ["AA"] and statuses(worklist) == {}
        association.send_n_set(performed("DISCONTINUED", reason="110514"), MPPS, "2.999.50")
        association.release()
        assert statuses(worklist) == {"A1": "SCHEDULED"}
        association = calling(worklist, MPPS)
        association.send_n_create(performed("IN PROGRESS", 1), MPPS, "2.999.51")
        assert taken(worklist, order(1, "CA", "CA")) == ["AA"] and statuses(worklist) == {}
        association.send_n_set(performed("DISCONTINUED", reason="110514"), MPPS, "2.999.51")
        association.release()
        assert statuses(worklist) == {}                                                     # cancelled meanwhile


# A learner's own mapping

def test_a_mapping_of_ones_own():
    def mapping(asked):
        item, = order_to_items(asked)
        item.PatientID = "X" + item.PatientID
        made.append(item)
        return item

    made = []
    with Worklist(mapping=mapping) as worklist:
        assert taken(worklist, order(1)) == ["AA"]
        made[0].AccessionNumber = "changed afterwards"
        assert (worklist.items()[0].PatientID, worklist.items()[0].AccessionNumber) == ("XHV100234", "A1")


def test_a_matching_of_ones_own():
    asked = []

    def fits(vr, value, key):
        asked.append((vr, value, key))
        return key in ("", value)

    def failing(vr, value, key):
        raise KeyError(vr)

    with Worklist(fits=fits) as worklist:
        taken(worklist, order(1), order(2, station="CT2"))
        step = {"ScheduledStationAETitle": "CT2", "ScheduledProcedureStepStartTime": "", "PreMedication": ""}
        assert accessions(worklist, keys(step, AccessionNumber="", PatientName="")) == ["A2"]
        assert {("AE", "CTER01", "CT2"), ("AE", "CT2", "CT2"), ("PN", "VANDERMEER^ANNA", ""), ("TM", "093000", ""), ("LO", "", "")} <= set(asked)
        assert accessions(worklist, keys({}, AccessionNumber="A*")) == []                   # no wildcards there
    with Worklist(fits=failing) as worklist:
        taken(worklist, order(1))
        assert find(worklist, keys({}, AccessionNumber="")) == ([], 0xC000)
        assert "C000H, the matching failed with KeyError: 'SH'" in repr(worklist.journal)
        assert find(worklist, keys({}, AccessionNumber=""))[1] == 0xC000                    # and it lives


def lacking(keyword):
    def mapping(asked):
        item, = order_to_items(asked)
        for dataset in (item, item.ScheduledProcedureStepSequence[0]):
            dataset.pop(keyword, None)
        return [item]
    return mapping


@pytest.mark.parametrize("mapping, says", [
    (lambda asked: 1 / 0, "The mapping failed with ZeroDivisionError: division by zero"),
    (lambda: None, "The mapping failed with TypeError"), (lambda asked: None, "neither a Dataset nor a list"),
    (lambda asked: [1], "neither a Dataset nor a list"), (lambda asked: [], "made no item of order P1"),
    (lambda asked: Dataset(), "has 0 Scheduled Procedure Steps"), (lacking("StudyInstanceUID"), "lacks StudyInstanceUID, which is type 1"),
    (lacking("ScheduledProcedureStepStartTime"), "lacks ScheduledProcedureStepStartTime"),
    (lambda asked: order_to_items(asked) * 2, "Scheduled Procedure Step ID"),
    (lambda asked: asked["PID"], "BadPath"),
])
def test_what_a_mapping_does_wrong_is_said_and_the_worklist_lives(mapping, says):
    with Worklist(mapping=mapping) as worklist:
        for answer in (worklist.take(order(1)), send(worklist.host, worklist.hl7_port, order(1).encode())):
            assert answer["MSA-1"] == "AE" and says in hl7.complaint(answer)
        assert worklist.items() == []


def test_a_mapping_that_takes_its_time_holds_nobody_up():
    begun, go_on = threading.Event(), threading.Event()

    def mapping(asked):
        begun.set()
        go_on.wait(20)
        return order_to_items(asked)

    with Worklist(mapping=mapping) as worklist:
        sending = threading.Thread(target=send, args=(worklist.host, worklist.hl7_port, order(1).encode(), 60))
        sending.start()
        assert begun.wait(10)
        assert accessions(worklist, keys({}, AccessionNumber="")) == [] and taken(worklist, adt("A08", "HV1")) == ["AA"]
        go_on.set()
        sending.join()
        assert len(worklist.items()) == 1


# What must not break it

def raw(port, octets):
    """What is answered to bytes, until the other side hangs up."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(octets)
        line.shutdown(socket.SHUT_WR)
        received = b""
        try:
            while block := line.recv(4096):
                received += block
        except (ConnectionError, TimeoutError):
            pass
        return received


def test_malformed_input_ends_its_own_connection_alone(worklist):
    draw = random.Random(7)
    for octets in (b"\x01\x00\xff\xff\xff\xff" + bytes(100), b"GET / HTTP/1.1\r\n\r\n", draw.randbytes(300),
                   b"\x01\x00\x00\x00\x00\x44" + draw.randbytes(68)):
        answer = raw(worklist.port, octets)
        assert answer == b"" or answer[0] == 7                                              # hung up, or A-ABORT
    for octets, expected in ((b"\x0bMSH|^~\\&|\x1c\r", b"MSA|AE"),
                             (b"\x0b" + draw.randbytes(500).replace(b"\x1c", b"") + b"\x1c\r", b"MSA|AE"),
                             (b"\x0bMSH|^~\\&|RIS", b""), (draw.randbytes(100_000).replace(b"\x0b", b""), b"")):
        assert expected in raw(worklist.hl7_port, octets)
    assert taken(worklist, order(1)) == ["AA"] and accessions(worklist, keys({}, AccessionNumber="")) == ["A1"]


@pytest.mark.parametrize("octets, status", [
    (random.Random(3).randbytes(40), 0xA900), (b"\x08\x00\x50\x00\xff\xff\xff\xff", 0xA900),
    (b"\x40\x00\x00\x01\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 3000, 0xC000),
], ids=["random", "without end", "very deep"])
def test_a_query_that_is_no_data_set(worklist, monkeypatch, octets, status):
    with monkeypatch.context() as patch:
        patch.setattr("pynetdicom.association.encode", lambda *_: octets)                   # the client's; the server has another
        assert find(worklist, Dataset())[1] == status
    assert find(worklist, keys({}, AccessionNumber="")) == ([], 0)


def test_a_query_that_is_far_too_long_is_aborted(worklist):
    worklist.largest = 100_000
    association = calling(worklist, MWL)
    asked = keys({}, AccessionNumber="")
    asked.RequestedProcedureDescription = "x" * 200_000
    assert [dict(status.to_json_dict()) for status, _ in association.send_c_find(asked, MWL)] == [{}]                  # no answer
    association.abort()
    assert accessions(worklist, keys({}, AccessionNumber="")) == []


def test_twenty_clients_at_once_lose_nothing(worklist):
    problems = []

    def work(first):
        try:
            with Sender(worklist.host, worklist.hl7_port, seconds=30) as sender:
                for number in range(first, first + 5):
                    assert sender.send(order(number).encode())["MSA-1"] == "AA"
            assert {f"A{number}" for number in range(first, first + 5)} <= set(accessions(worklist, keys({}, AccessionNumber="")))
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(first,)) for first in range(100, 300, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == [] and len(worklist.items()) == 100


def test_stop_closes_everything_even_after_an_exception():
    with pytest.raises(ZeroDivisionError), Worklist(port=own_port(), hl7_port=own_port()) as worklist:
        idle = socket.create_connection(("127.0.0.1", worklist.hl7_port))
        half = socket.create_connection(("127.0.0.1", worklist.port))
        half.sendall(b"\x01\x00\x00\x00")
        begin = time.monotonic()
        1 / 0
    assert time.monotonic() - begin < 20                    # one that waited for the rest of the PDU would wait for 30
    for connection, port in ((idle, worklist.hl7_port), (half, worklist.port)):
        connection.close()
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=2)
    assert repr(worklist).startswith("<worklist HV_MWL is stopped")
    with pytest.raises(RuntimeError, match="is stopped"):
        worklist.take(order(1))


def test_a_port_that_is_taken(worklist):
    for ports in ({"port": worklist.port}, {"hl7_port": worklist.hl7_port}):
        with pytest.raises(OSError):
            Worklist(**ports).start()


# What was acknowledged is kept

def test_started_again_on_its_folder(tmp_path):
    with Worklist(folder=tmp_path) as worklist:
        taken(worklist, order(1), order(2, patient="HVTMP0077"), merge("HV100234", "HVTMP0077"), order(3), order(3, "CA", "CA"))
        association = calling(worklist, MPPS)
        association.send_n_create(performed("IN PROGRESS", 1), MPPS, "2.999.50")
        association.release()
        before = worklist.items()
    with Worklist(folder=tmp_path) as worklist:
        assert worklist.items() == before and statuses(worklist) == {"A1": "STARTED", "A2": "SCHEDULED"}
        assert taken(worklist, order(1), order(1, resend="again"), order(4, patient="HVTMP0077", name="X^Y")) == ["AA", "AE 205", "AA"]
        assert patients(worklist)[2] == ("HV100234", "VANDERMEER^ANNA")
        association = calling(worklist, MPPS)
        assert association.send_n_set(performed("COMPLETED"), MPPS, "2.999.50")[0].Status == 0
        association.release()
        assert statuses(worklist) == {"A2": "SCHEDULED", "A4": "SCHEDULED"}


WORKLIST_TO_KILL = """
import sys, time
from coursekit.systems.worklist import Worklist
worklist = Worklist(folder=sys.argv[1]).start()
print(worklist.hl7_port, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("round_", range(2))
def test_killed_in_the_middle_it_has_all_that_it_acknowledged(tmp_path, round_):
    process = subprocess.Popen([sys.executable, "-c", WORKLIST_TO_KILL, str(tmp_path)], stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
    acknowledged = set()
    try:
        port = int(process.stdout.readline())
        killer = threading.Timer(0.1 + 0.2 * round_, process.kill)
        with Sender("127.0.0.1", port) as sender:
            for number in range(1, 5000):
                if number == 2:                             # on a slow machine even the first takes its time
                    killer.start()
                try:
                    if sender.send(order(number).encode())["MSA-1"] == "AA":
                        acknowledged.add(f"A{number}")
                except Exception:
                    break
        killer.join()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    with Worklist(folder=tmp_path) as again:
        assert acknowledged and acknowledged <= {item.AccessionNumber for item in again.items()}


def test_what_can_not_be_kept_is_not_acknowledged(worklist):
    worklist._database.execute("PRAGMA query_only = ON")
    answer = worklist.take(order(1))
    assert answer["MSA-1"] == "AR" and "can't be kept" in hl7.complaint(answer) and worklist.items() == []
    worklist._database.execute("PRAGMA query_only = OFF")
    assert taken(worklist, order(1)) == ["AA"]


# DCMTK: its client with ours, and its own server beside ours

dcmtk = pytest.mark.skipif(not (shutil.which("findscu") and shutil.which("wlmscpfs")), reason="DCMTK is not installed")


STEP_KEY = "ScheduledProcedureStepSequence[0]."


def findscu(port, folder, *asked):
    """The answers that DCMTK's findscu got, as Datasets."""
    folder.mkdir()
    ran = subprocess.run(["findscu", "-W", "-aet", "CTER01", "-aec", "HV_MWL", "-X", "-od", folder, "127.0.0.1", str(port),
                          *(part for key in asked for part in ("-k", key))], capture_output=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return [dcmread(path, force=True) for path in sorted(folder.glob("rsp*.dcm"))]


@dcmtk
def test_findscu(filled, tmp_path):
    assert len(findscu(filled.port, tmp_path / "all", "AccessionNumber")) == 5
    item, = findscu(filled.port, tmp_path / "one", "PatientName=OKA*", "AccessionNumber", STEP_KEY + "Modality=CT",
                    STEP_KEY + "ScheduledStationAETitle", STEP_KEY + "ScheduledProcedureStepStartDate=20250401-20250430")
    step, = item.ScheduledProcedureStepSequence
    assert (item.PatientName, item.AccessionNumber, step.ScheduledStationAETitle) == ("OKAFOR^DANIEL", "A3", "CTER01")
    if os.name == "nt":                                                                     # its command line is not bytes
        return
    item, = findscu(filled.port, tmp_path / "latin", "SpecificCharacterSet=ISO_IR 100", b"PatientName=L\xd6WE*", "AccessionNumber")
    assert (item.PatientName, item.SpecificCharacterSet) == ("LÖWE^JÜRGEN", "ISO_IR 100")


@pytest.fixture(scope="module")
def second_opinion(filled, tmp_path_factory):
    """The port of DCMTK's worklist server that holds the same items."""
    folder = tmp_path_factory.mktemp("wlm")
    (folder / "HV_MWL").mkdir()
    (folder / "HV_MWL" / "lockfile").touch()
    for number, item in enumerate(filled.items()):
        item.file_meta = FileMetaDataset()
        item.file_meta.TransferSyntaxUID, item.file_meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, MWL
        item.file_meta.MediaStorageSOPInstanceUID = f"2.999.1.{number}"
        item.save_as(folder / "HV_MWL" / f"{number}.wl", enforce_file_format=True)
    port = own_port()
    with program(["wlmscpfs", "-s", "-csk", "-dhl", "-dfp", str(folder), str(port)], port):
        yield port


@dcmtk
@pytest.mark.parametrize("asked", [
    [], ["PatientName=OKAFOR*"], ["PatientName=?RANDT^ILSE"], ["PatientID=HV100235"], ["AccessionNumber=A4"], [STEP_KEY + "Modality=MR"],
    [STEP_KEY + "Modality=CT", STEP_KEY + "ScheduledStationAETitle=CT2"], [STEP_KEY + "ScheduledProcedureStepStartDate=20250408-"],
    [STEP_KEY + "ScheduledProcedureStepStartDate=-20250408"], [STEP_KEY + "ScheduledProcedureStepStartDate=20250407-20250408"],
    [STEP_KEY + "ScheduledProcedureStepStartDate=20250409"], [STEP_KEY + "ScheduledProcedureStepStartTime=080000-100000"],
    [STEP_KEY + "ScheduledProcedureStepStartDate=20250407-20250408", STEP_KEY + "ScheduledProcedureStepStartTime=210000-060000"],
    ["RequestedProcedureID=RP3"], ["PatientName=NOBODY"], ["PatientSex=F"], ["ReferringPhysicianName"],
], ids=lambda asked: " ".join(asked) or "all")
def test_a_second_opinion(filled, second_opinion, tmp_path, asked):
    named = {re.split("[=.]", key)[0] for key in asked}
    asked = [*asked, *(key for key in ("AccessionNumber", "PatientName", "PatientID", "StudyInstanceUID") if key not in named),
             *(STEP_KEY + key for key in STEP if not any(STEP_KEY + key in one for one in asked))]
    ours, theirs = (findscu(port, tmp_path / name, *asked) for name, port in (("ours", filled.port), ("theirs", second_opinion)))
    for answers in (ours, theirs):
        answers.sort(key=lambda item: item.AccessionNumber)
        for item in answers:
            item.pop("SpecificCharacterSet", None)
    assert [item.to_json() for item in ours] == [item.to_json() for item in theirs] and (ours or "PatientName=NOBODY" in asked)


def test_what_came_over_mllp_is_counted_and_one_answer_is_one():
    with Worklist() as worklist:
        worklist.take(order(1))
        assert worklist.over_mllp == 0
        send(worklist.host, worklist.hl7_port, [order(2), order(2), message("ORU^R01")])
        assert worklist.over_mllp == 3 and len(worklist.items()) == 2
        caller = Scu("CTER01", worklist.title, worklist.port)
        caller.worklist(AccessionNumber="A2")
        caller.worklist(AccessionNumber="A*")
        assert [event.detail for event in worklist.journal if event.what == "C-FIND-RSP"] == ["0000H after 1 answer", "0000H after 2 answers"]
