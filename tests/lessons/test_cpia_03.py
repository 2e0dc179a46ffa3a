"""What learners give in lesson cpia-03 beyond the solutions and wrong ways, and other people's judgement of its worklist."""

import copy
import datetime
import fnmatch
import random
import re
import shutil
import socket
import subprocess
import time

import pandas as pd
import pytest
from ports import own_port
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom import sop_class as sop

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.lessons import cpia_03_order_to_worklist as module
from coursekit.lessons.cpia_03_order_to_worklist import lesson
from coursekit.standards import hl7, matching
from coursekit.standards.order_mapping import birth_date, order_to_items, person_name, sex, single_steps
from coursekit.systems.mllp import send
from coursekit.systems.scu import Scu, dataset
from coursekit.systems.worklist import Worklist

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}
patient_part, procedure_part, fits = module.patient_part, module.procedure_part, module.fits
items_of = EXERCISES["OrderToItems"].solution
MWL = sop.ModalityWorklistInformationFind


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"), lambda: [hospital(201, "tiny")])


def solved(name, editions):
    return EXERCISES[name].computed(EXERCISES[name].solution, editions.own)


def judged(name, editions, *given):
    return EXERCISES[name].judge(given, editions)


def ways(name):
    return {way.__name__ for way in EXERCISES[name].wrong_ways}


def refused(name, editions, *given):
    verdict = judged(name, editions, *given)
    assert verdict.outcome is Outcome.NOT_YET, verdict
    return verdict


# 1

def test_places_as_people_write_them(editions):
    right = solved("WhereItStands", editions)
    for form in (str.lower, lambda text: text + ".1", lambda text: text.replace("-", "."), lambda text: text.replace("-", " - "),
                 lambda text: text.replace("-", ""), lambda text: text + "^1"):
        assert judged("WhereItStands", editions, {name: form(text) for name, text in right.items()}).correct
    assert judged("WhereItStands", editions, list(right.values())).correct
    assert judged("WhereItStands", editions, {**right, "filler_number": "OBR-3"}).correct              # the same number stands there
    assert judged("WhereItStands", editions, {**right, "filler_number": "OBR-3.1"}).correct


@pytest.mark.parametrize(("change", "label"), [
    ({"accession": "OBR-18"}, "as_in_the_older_version"), ({"accession": "OBR-3"}, "filler_as_accession"),
    ({"accession": "OBR-2.1"}, "placer_as_accession"), ({"start": "ORC-9"}, "time_of_the_order"), ({"start": "ORC-7.4"}, "value"),
    ({"start": "TQ1-8"}, "value"), ({"protocol": "IPC-6.2"}, "value"), ({"study_uid": "ZDS-1"}, "value"), ({"start": "MSH-7"}, "value"),
    ({"accession": "IPC-2", "requested_procedure_id": "IPC-1"}, "segment_counted"), ({"protocol": "OBR-4"}, "value"),
    ({"accession": "A2504070192"}, "unreadable"), ({"accession": "the first"}, "unreadable"), ({"study_uid": "IPC-1"}, "value"),
])
def test_a_place_that_is_not_right(editions, change, label):
    assert refused("WhereItStands", editions, {**solved("WhereItStands", editions), **change}).label == label


def test_what_is_said_of_a_wrong_place(editions):
    right = solved("WhereItStands", editions)
    assert judged("WhereItStands", editions, {**right, "start": "TQ1[1]-7"}).correct
    for change, says in (({"protocol": "OBR-4"}, "the code of the requested procedure"), ({"start": "MSH-7"}, "when the message was made"),
                         ({"step_id": "OBR-20"}, "version 2.3.1"), ({"accession": "IPC-2"}, "another of the seven values"),
                         ({"step_id": "IPC-3"}, "another of the seven"), ({"filler_number": "OBR-3.2"}, "(OBR-3.2 repeats it)"),
                         ({"filler_number": "OBR-2.2"}, "comes behind the value"),
                         ({"accession": "IPC-1.2"}, "comes behind the value")):
        assert says in refused("WhereItStands", editions, {**right, **change}).message


# 2

def patient_by_the_reference(message):
    """Another person's way: a list comprehension, the standard library's dates, a Dataset."""
    numbers = [one.split("^") for one in message["PID-3"].split("~")]
    mine = [one for one in numbers if len(one) > 4 and one[3].split("&")[0] == "HVGH" and one[4] == "MR"]
    made = Dataset()
    made.PatientID, made.IssuerOfPatientID = mine[0][0], mine[0][3].split("&")[0]
    parts = [hl7.unescape(part.split("&")[0]).replace('""', "") for part in (message["PID-5"].split("~")[0].split("^") + [""] * 5)[:5]]
    made.PatientName = "^".join([parts[0], parts[1], parts[2], parts[4], parts[3]]).rstrip("^")
    try:
        born = datetime.datetime.strptime(message["PID-7"][:8], "%Y%m%d")
        made.PatientBirthDate = f"{born:%Y%m%d}" if len(message["PID-7"]) > 7 else ""
    except ValueError:
        made.PatientBirthDate = ""
    made.PatientSex = message["PID-8"] if message["PID-8"] in "FMO" else "O" if message["PID-8"] == "A" else None
    return made


def test_patients_in_another_persons_words(editions):
    assert judged("PatientPart", editions, patient_by_the_reference).correct
    assert judged("PatientPart", editions, lambda message: {**patient_part(message), "PatientAge": "", "Remark": 7}).correct
    assert judged("PatientPart", editions, lambda message: dict(reversed(patient_part(message).items()))).correct
    assert judged("PatientPart", editions, lambda message: dataset(patient_part(message))).correct
    assert judged("PatientPart", editions, lambda message: pd.Series(patient_part(message))).correct

    def with_the_reference(message):
        by_reference = patient_part(message)
        name = "^".join(message["PID-5"].split("^")[:5])                    # the room's mapping also takes the degree, PID-5.6
        return {**by_reference, "PatientName": person_name(name), "PatientBirthDate": birth_date(message["PID-7"]),
                "PatientSex": sex(message["PID-8"])}

    def one_by_one(message):
        found = {}
        found["IssuerOfPatientID"] = "HVGH"
        for segment in message.segments("PID"):
            for number in range(1, 10):
                if segment[f"3[{number}].4.1"] == "HVGH" and segment[f"3[{number}].5"] == "MR":
                    found["PatientID"] = segment[f"3[{number}].1"]
            name = ""
            for part in ("1.1", "2", "3", "5", "4"):
                if segment[f"5.{part}"] != '""':
                    name = name + hl7.unescape(segment[f"5.{part}"])
                name = name + "^"
            found["PatientName"] = name
            born = segment["7"]
            found["PatientBirthDate"] = born[0:8] if len(born) >= 8 and "00" not in (born[4:6], born[6:8]) else ""
            found["PatientSex"] = {"F": "F", "M": "M", "O": "O", "A": "O"}.get(segment["8"])
        return found

    assert judged("PatientPart", editions, with_the_reference).correct
    assert judged("PatientPart", editions, one_by_one).correct


def chosen(message, fits_owner, last=False, most=10):
    """A number of PID-3 with the type MR, by its authority."""
    found = [message[f"PID-3[{n}].1"] for n in range(1, most)
             if message[f"PID-3[{n}].5"] == "MR" and fits_owner(message[f"PID-3[{n}].4.1"], message[f"PID-3[{n}].4"])]
    return (found or [""])[-1 if last else 0]


def of_type(message, fits_type, last=False):
    """A number of HVGH, by its type."""
    found = [message[f"PID-3[{n}].1"] for n in range(1, 10) if message[f"PID-3[{n}].4.1"] == "HVGH" and fits_type(message[f"PID-3[{n}].5"])]
    return found[-1 if last else 0]


def test_what_is_said_of_a_patient_that_is_not_right(editions):
    def told(**change):
        return refused("PatientPart", editions, lambda message: {**patient_part(message), **{
            keyword: one(message) for keyword, one in change.items()}}).message

    said = told(PatientID=lambda m: chosen(m, lambda owner, whole: owner.startswith("HVGH")))
    assert re.search(r"The first that it fails for is the O.*NWSC in MSH-10: its PID-3 has 2 repetitions; number 1 is 'HV\d+', of the authority "
                     "'HVGH2' and the type 'MR'", said) and "{" not in said
    said = told(PatientID=lambda m: "", PatientSex=lambda m: m["PID-8"])
    assert "with 'HVGH&2.999.1.1&ISO' in component 4 and 'MR' in 5, and your function took it for none of ours" in said
    said = told(PatientID=lambda m: chosen(m, lambda owner, whole: whole == "HVGH&2.999.1.1&ISO"))
    assert "with 'HVGH' in component 4 and 'MR' in 5" in said
    said = told(PatientBirthDate=lambda m: m["PID-7"][:8] if m["PID-7"][4:] else m["PID-7"] + "0101")
    assert re.search(r"its PID-7 is '\d{4,6}'", said)
    said = told(PatientName=lambda m: m["PID-5.1.1"] if "\\F\\" in m["PID-5"] else patient_part(m)["PatientName"])
    assert re.search(r"its PID-5 is '[^']* \\F\\ ", said)
    assert "took none of them" in told(PatientID=lambda m: chosen(m, lambda owner, whole: owner == "HVGH", most=5))
    assert "the first few numbers" in told(PatientID=lambda m: chosen(m, lambda owner, whole: owner == "HVGH", most=4))
    assert "its PID-5 is '" in told(PatientName=lambda m: m["PID-5.1.1"] + ", " + m["PID-5.2"])


@pytest.mark.parametrize(("change", "label"), [
    (lambda m: {"PatientName": m["PID-5"]}, "field_as_it_comes"),
    (lambda m: {"PatientName": module._named(m, order=("1.1", "2", "3", "4", "5"), undo=str)}, "components_as_they_come"),   # and escapes left
    (lambda m: {"PatientName": "^".join(m[f"PID-5.{n}"] for n in (1, 2, 3, 4, 5))}, "value"),
    (lambda m: {"PatientName": module._named(m, order=("1", "2", "3", "5", "4"))}, "surname_in_parts"),
    (lambda m: {"PatientName": module._named(m, null='""')}, "null_kept"),
    (lambda m: {"PatientID": chosen(m, lambda owner, whole: owner.startswith("HVGH"))}, "value"),
    (lambda m: {"PatientID": chosen(m, lambda owner, whole: owner.startswith("HVGH"), last=True)}, "value"),
    (lambda m: {"PatientID": chosen(m, lambda owner, whole: "HVGH" in whole)}, "longer_authority"),
    (lambda m: {"PatientID": chosen(m, lambda owner, whole: "HVGH" in whole, last=True)}, "value"),
    (lambda m: {"PatientID": chosen(m, lambda owner, whole: owner == "HVGH", most=4)}, "as_many_as_in_the_example"),
    (lambda m: {"PatientName": "^".join(hl7.unescape(m[f"PID-5.{n}"]) for n in (1, 2, 3))}, "value"),
    (lambda m: {"PatientID": m["PID-3"]}, "value"), (lambda m: {"PatientID": m["PID-3.1"]}, "first_number"),
    (lambda m: {"PatientID": m["PID-3[2].1"] or m["PID-3[1].1"]}, "value"),
    (lambda m: {"PatientBirthDate": m["PID-7"]}, "value"), (lambda m: {"PatientBirthDate": m["PID-7"][:8]}, "value"),
    (lambda m: {"PatientSex": m["PID-8"] if m["PID-8"] in ("F", "M", "O") else ""}, "value"),
    (lambda m: {"IssuerOfPatientID": m["PID-3.4"]}, "value"), (lambda m: {"IssuerOfPatientID": m["PID-3.4.1"]}, "value"),
    (lambda m: {"PatientID": next(m[f"PID-3[{n}].1"] for n in range(1, 9) if m[f"PID-3[{n}].4.1"] != "ECC")}, "value"),
    (lambda m: {"PatientID": next(m[f"PID-3[{n}].1"] for n in range(8, 0, -1) if m[f"PID-3[{n}].1"])}, "value"),
    (lambda m: {"PatientID": chosen(m, lambda owner, whole: owner == "HVGH", most=5)}, "value"),
    (lambda m: {"PatientBirthDate": "" if m["PID-7"][7:8] == "0" else patient_part(m)["PatientBirthDate"]}, "value"),
    (lambda m: {"PatientID": of_type(m, lambda kind: kind != "AN")}, "value"),
    (lambda m: {"PatientID": of_type(m, lambda kind: kind != "AN", last=True)}, "value"),
    (lambda m: {"PatientID": of_type(m, lambda kind: kind.startswith("M"))}, "value"),
    (lambda m: {"PatientID": of_type(m, lambda kind: "MR" in kind)}, "value"),
    (lambda m: {"PatientID": of_type(m, lambda kind: "MR" in kind, last=True)}, "value"),
    (lambda m: {"PatientName": patient_part(m)["PatientName"].upper()}, "value"),
    (lambda m: {"PatientName": "^".join(m[f"PID-5.{n}"].replace("\\T\\", "&").replace('""', "") for n in ("1.1", 2, 3, 5, 4))}, "value"),
    (lambda m: {"PatientName": m["PID-5.1.1"] if m["PID-5.1.1"] == '""' else patient_part(m)["PatientName"]}, "value"),
    (lambda m: {"PatientName": m["PID-5"] if m["PID-5"] == '""' else patient_part(m)["PatientName"]}, "value"),
    (lambda m: {"PatientSex": ["F"]}, "unreadable"), (lambda m: {"PatientSex": m["PID-8"].lower()}, "value"),
    (lambda m: {"PatientID": int(patient_part(m)["PatientID"][2:])}, "value"),
    # types that are listed in place of the one that counts
    (lambda m: {"PatientID": of_type(m, lambda kind: kind not in ("AN", "VN", "MRT"))}, "value"),
    (lambda m: {"PatientID": of_type(m, lambda kind: kind not in ("AN", "VN", "MRT"), last=True)}, "value"),
    (lambda m: {"PatientID": of_type(m, lambda kind: kind in ("MR", ""))}, "value"),
    (lambda m: {"PatientID": of_type(m, lambda kind: kind in ("MR", ""), last=True)}, "value"),
    (lambda m: {"PatientID": of_type(m, lambda kind: kind in ("MR", "", "PI", "PT", "SS"))}, "value"),
    # the authority by something else than its name
    (lambda m: {"PatientID": chosen(m, lambda owner, whole: whole == "HVGH&2.999.1.1&ISO")}, "value"),
    (lambda m: {"PatientID": chosen(m, lambda owner, whole: "2.999.1.1" in whole.split("&"))}, "value"),
    (lambda m: {"PatientID": chosen(m, lambda owner, whole: whole.startswith("HVGH&"))}, "value"),
    (lambda m: {"PatientID": chosen(m, lambda owner, whole: owner == "HVGH", most=8)}, "value"),
    (lambda m: {"PatientID": chosen(m, lambda owner, whole: owner == "HVGH", most=9)}, "value"),
    (lambda m: {"PatientName": patient_part(m)["PatientName"] + (f"^{m['PID-5.6']}" if m["PID-5.6"] else "")}, "value"),
])
def test_a_patient_that_is_not_right(editions, change, label):
    verdict = refused("PatientPart", editions, lambda message: {**patient_part(message), **change(message)})
    assert verdict.label == label or label == "value" and verdict.label in ways("PatientPart"), verdict


def test_it_is_said_which_order_a_function_fails_for(editions):
    for given in (lambda message: print("HV1"), lambda message: {"PatientID": "HV1"}, lambda message: message["nowhere"]):
        said = refused("PatientPart", editions, given).message
        assert re.match(r"For the O\S+ with \S+ in MSH-10 ", said) and "`patient_part(cpia03.q2.failed[0])`" in said and "MSH|" not in said
    said = refused("ProcedurePart", editions, lambda m: {**procedure_part(m), **by_segment(m, m["MSH-9.1"] == "OMI")}).message
    assert "it has an IPC segment (MSH-9 ORM^O01, MSH-12 2.5.1), and your function gave \"\" for this" in said


def test_what_is_no_patient_gets_a_sentence(editions):
    for given in (lambda message: print("HV1"), lambda message: message, lambda message: [], lambda message: "HV1", lambda message: {},
                  lambda message: {"PatientID": "HV1"}, lambda message: {1: 2}, lambda message: message["nowhere"], lambda: {},
                  patient_part(lesson.input_of("order", editions.own))):
        assert len(refused("PatientPart", editions, given).message) > 30


# 3

def test_procedures_in_another_persons_words(editions):
    def with_if(message):
        found = Dataset()
        if "IPC" in message:
            ipc = message.segment("IPC")
            found.AccessionNumber, found.RequestedProcedureID, found.StudyInstanceUID = ipc["1.1"], ipc["2"], ipc["3"]
            found.ScheduledProcedureStepID, found.Modality, found.ScheduledStationAETitle = ipc["4"], ipc["5"], ipc["9"]
            found.ScheduledProcedureStepDescription = hl7.unescape(ipc["6.2"])
            start = message["TQ1-7"]
        else:
            found.AccessionNumber, found.RequestedProcedureID = message["OBR-18"], message["OBR-19"]
            found.StudyInstanceUID = message["ZDS-1"].split("^")[0]
            found.ScheduledProcedureStepID, found.Modality = message["OBR-20"], message["OBR-24"]
            found.ScheduledStationAETitle = module.station_of(message)
            found.ScheduledProcedureStepDescription = hl7.unescape(message["OBR-4"].split("^")[4])
            start = (message["OBR-27"] or message["ORC-7"]).split("^")[3]
        descriptions = [text for text in (message["OBR-44.2"], message["OBR-4.2"]) if text]
        found.RequestedProcedureDescription = hl7.unescape(descriptions[0])
        found.ScheduledProcedureStepStartDate = start[:8]
        found.ScheduledProcedureStepStartTime = (re.sub("[+].*", "", start)[8:] + "00")[:6] if len(start) > 8 else None
        return found

    assert judged("ProcedurePart", editions, with_if).correct
    assert judged("ProcedurePart", editions, lambda message: {**procedure_part(message), "RequestedProcedurePriority": "HIGH"}).correct

    def with_the_reference(message):
        places = ("IPC-1", "IPC-2", "IPC-3", "IPC-4", "IPC-5", "IPC-6.2", "IPC-9", "TQ1-7") if "IPC" in message else (
            "OBR-18", "OBR-19", "OBR-20", "OBR-24", "OBR-4.5", "ZDS-1.1")
        start = message["TQ1-7"] if "IPC" in message else message["ORC-7.4"] or message["OBR-27.4"]
        if (not all(message[place] for place in places) or message["PID-5"] == '""' or message["PID-5.6"] or len(start) == 8
                or message["OBR-44.1"] and not message["OBR-44.2"] or len(message["IPC-1.1"]) > 16):
            # refused there, or something in its place
            return {**patient_part(message), **procedure_part(message)}
        item, = order_to_items(message, module.Site(authority="HVGH", resource="OBR-4.1", stations={
            message["OBR-4.1"]: (module.station_of(message),)}))
        return {**{one.keyword: one.value for one in item}, **{one.keyword: one.value for one in item.ScheduledProcedureStepSequence[0]}}

    assert judged("ProcedurePart", editions, with_the_reference).correct
    assert judged("PatientPart", editions, with_the_reference).correct


def started_at(message, start):
    start = start.split("+")[0]
    time = start[8:14].ljust(6, "0") if len(start) > 8 else ""
    return {"ScheduledProcedureStepStartDate": start[:8], "ScheduledProcedureStepStartTime": time}


def test_what_is_said_of_a_procedure_that_is_not_right(editions):
    def told(change):
        return refused("ProcedurePart", editions, lambda message: {**procedure_part(message), **change(message)}).message

    swapped = told(lambda m: {"RequestedProcedureID": procedure_part(m)["ScheduledProcedureStepID"],
                              "ScheduledProcedureStepID": procedure_part(m)["RequestedProcedureID"]})
    assert re.search(r"'SPS\d+' stands there at OBR-20.1\. Look at `RequestedProcedureID`", swapped)
    assert "escapes are left" in told(lambda m: {"RequestedProcedureDescription": m["OBR-44.2"] or m["OBR-4.2"]})
    assert "beside which nothing else counts" in told(lambda m: {"RequestedProcedureID": m["OBR-19"] or m["IPC-2"]})
    assert "its IPC-1.1 is empty, and what is empty there stays empty, but your function gave 'WARD" in told(
        lambda m: {"AccessionNumber": m["IPC-1.1"] or m["OBR-18"]})
    assert "is not what belongs there" in told(lambda m: {"AccessionNumber": m["OBR-18"] or m["IPC-1.1"]})
    assert "is only the beginning of what stands there at IPC-1.1" in told(lambda m: {"AccessionNumber": m["IPC-1.1"][:16] or m["OBR-18"]}
                                                                           if m["IPC-1.1"] else {})
    assert "of its times, TQ1-7 is ''" in told(lambda m: {"ScheduledProcedureStepStartTime": procedure_part(m)[
        "ScheduledProcedureStepStartTime"] or "000000"} if not procedure_part(m)["ScheduledProcedureStepStartDate"] else {})
    assert "its IPC-9 is empty" in told(lambda m: {"ScheduledStationAETitle": m["IPC-9"] or module.station_of(m)})


def test_no_time_is_not_midnight(editions):
    def midnight(message, without=lambda found: True):
        found = procedure_part(message)
        if found["ScheduledProcedureStepStartTime"] == "" and without(found["ScheduledProcedureStepStartDate"]):
            found["ScheduledProcedureStepStartTime"] = "000000"
        return found

    assert refused("ProcedurePart", editions, midnight).label == "midnight_invented"
    for without in (bool, lambda day: not day):                             # a day alone, or no start at all
        assert refused("ProcedurePart", editions, lambda message: midnight(message, without)).label == "value"


def by_segment(message, right):
    """The right values of an order that is taken for one with an IPC, or for one without."""
    other = message.copy()
    if not right:
        other.remove("IPC")
    elif "IPC" not in other:
        other.add("IPC|")
    return procedure_part(other)


def test_the_other_column_for_each_value_that_is_empty(editions):
    def all_of_them(m):
        return {**started_at(m, m["TQ1-7"] or m["ORC-7.4"] or m["OBR-27.4"]), "AccessionNumber": m["IPC-1.1"] or m["OBR-18"],
                "RequestedProcedureID": m["IPC-2"] or m["OBR-19"], "StudyInstanceUID": m["IPC-3"] or m["ZDS-1.1"],
                "ScheduledProcedureStepID": m["IPC-4"] or m["OBR-20"], "Modality": m["IPC-5"] or m["OBR-24"],
                "ScheduledStationAETitle": m["IPC-9"] or module.station_of(m),
                "ScheduledProcedureStepDescription": hl7.unescape(m["IPC-6.2"] or m["OBR-4.5"])}

    def as_an_orm(message):
        other = message.copy()
        other.remove("IPC")
        return procedure_part(other)

    assert refused("ProcedurePart", editions, lambda m: {**procedure_part(m), **all_of_them(m)}).label == "older_place_for_what_is_empty"
    verdict = refused("ProcedurePart", editions, lambda m: as_an_orm(m) if "IPC" in m and not m["IPC-3"] else procedure_part(m))
    assert "beside which nothing else counts" in verdict.message


@pytest.mark.parametrize(("change", "label"), [
    (lambda m: {"RequestedProcedureID": m["OBR-19"] or m["IPC-2"]}, "value"),
    (lambda m: {"ScheduledProcedureStepID": m["OBR-20"] or m["IPC-4"]}, "value"), (lambda m: {"Modality": m["OBR-24"] or m["IPC-5"]}, "value"),
    (lambda m: {"ScheduledProcedureStepDescription": hl7.unescape(m["OBR-4.5"] or m["IPC-6.2"])}, "value"),
    (lambda m: {"ScheduledProcedureStepDescription": hl7.unescape(m["IPC-6.2"] or m["OBR-4.5"])}, "value"),
    (lambda m: {"AccessionNumber": m["IPC-1.1"] or m["OBR-18"]}, "value"),
    (lambda m: {"AccessionNumber": m["IPC-1.1"] or m["OBR-18"], "ScheduledProcedureStepDescription": hl7.unescape(m["IPC-6.2"] or m["OBR-4.5"])},
     "value"),
    *((lambda m, keyword=keyword, place=place, other=other: {keyword: m[place] or m[other]} if "IPC" in m else {}, "value")
      for keyword, place, other in (
          ("RequestedProcedureID", "IPC-2", "OBR-19"), ("StudyInstanceUID", "IPC-3", "ZDS-1.1"), ("Modality", "IPC-5", "OBR-24"),
          ("ScheduledProcedureStepID", "IPC-4", "OBR-20"), ("ScheduledStationAETitle", "IPC-9", "IPC-7"))),
    (lambda m: {"ScheduledStationAETitle": m["IPC-9"] or module.station_of(m)}, "value"),
    (lambda m: started_at(m, m["TQ1-7"] or m["ORC-7.4"] or m["OBR-27.4"]), "older_time_for_none"),
    (lambda m: {"ScheduledProcedureStepDescription": hl7.unescape(m["OBR-4.5"] or m["OBR-4.2"])} if "IPC" not in m else {}, "value"),
    (lambda m: {"AccessionNumber": m["OBR-18"] or m["ORC-3.1"]} if "IPC" not in m else {}, "value"),
    (lambda m: {"RequestedProcedureDescription": (m["OBR-44.2"] or m["OBR-4.2"]).replace("\\T\\", "&")}, "value"),
    (lambda m: started_at(m, m["TQ1-7"] or m["OBR-27.4"]), "obr_alone"), (lambda m: started_at(m, m["TQ1-7"] or m["ORC-7.4"]), "orc_alone"),
    (lambda m: started_at(m, m["ORC-7.4"] or m["OBR-27.4"] or m["TQ1-7"]), "older_time_first"),
    (lambda m: started_at(m, m["OBR-27.4"] or m["ORC-7.4"] or m["TQ1-7"]), "older_time_first"),
    (lambda m: {"ScheduledProcedureStepStartTime": module._start_of(m)[8:14]}, "zone_cut_in_two"),
    (lambda m: {"ScheduledProcedureStepStartTime": module._start_of(m)[8:12]}, "minutes_only"),
    (lambda m: {"ScheduledProcedureStepStartTime": module._start_of(m)[8:12] + "00"}, "seconds_made_up"),
    (lambda m: {"AccessionNumber": m["OBR-18"]}, "value"), (lambda m: {"AccessionNumber": m["OBR-18"] or m["IPC-1.1"]}, "value"),
    (lambda m: {"AccessionNumber": m["OBR-3.1"]}, "filler_as_accession"),
    (lambda m: {"AccessionNumber": m["OBR-2.1"]}, "placer_as_accession"),
    (lambda m: {"StudyInstanceUID": "2.999.1.2.3"}, "value"), (lambda m: {"StudyInstanceUID": m["ZDS-1.1"]}, "value"),
    (lambda m: {"Modality": m["OBR-24"]}, "value"), (lambda m: {"ScheduledStationAETitle": m["IPC-9"]}, "value"),
    (lambda m: {"ScheduledStationAETitle": m["IPC-9"] or m["OBR-24"]}, "value"),
    (lambda m: {"ScheduledProcedureStepStartTime": "09:30:00"}, "value"),
    (lambda m: {"ScheduledProcedureStepDescription": hl7.unescape(m["OBR-4.2"])}, "whole_procedure"),
    (lambda m: {"RequestedProcedureDescription": hl7.unescape(m["OBR-44.2"])}, "value"),
    (lambda m: {"RequestedProcedureDescription": m["OBR-44.2"] or m["OBR-4.2"]}, "value"),
    (lambda m: {"ScheduledProcedureStepDescription": hl7.unescape(m["IPC-6"] or m["OBR-4"])}, "value"),
    # escapes left in one of several places
    (lambda m: {} if "IPC" in m else {"ScheduledProcedureStepDescription": m["OBR-4.5"]}, "value"),
    (lambda m: {"ScheduledProcedureStepDescription": m["IPC-6.2"]} if "IPC" in m else {}, "value"),
    (lambda m: {"RequestedProcedureDescription": hl7.unescape(m["OBR-44.2"]) or m["OBR-4.2"]}, "value"),
    # OBR-44 by the version, or by the field and not by its text
    (lambda m: {"RequestedProcedureDescription": hl7.unescape(m["OBR-4.2"] if m["MSH-12"] == "2.3" else m["OBR-44.2"])}, "value"),
    (lambda m: {"RequestedProcedureDescription": hl7.unescape(m["OBR-44.2"] if m["OBR-44"] else m["OBR-4.2"])}, "value"),
    # the zone of one season; no end of the time
    (lambda m: {"ScheduledProcedureStepStartTime": module._start_of(m).replace("+0200", "")[8:14].ljust(6, "0")}
     if len(module._start_of(m)) > 8 else {}, "value"),
    (lambda m: {"ScheduledProcedureStepStartTime": module._start_of(m).split("+")[0][8:].ljust(6, "0")}
     if len(module._start_of(m)) > 8 else {}, "value"),
    (lambda m: {"ScheduledProcedureStepStartTime": module._start_of(m).split("+")[0][8:13].ljust(6, "0")}
     if len(module._start_of(m)) > 8 else {}, "value"),
    # the branch by something else than the segment; a number cut off
    (lambda m: by_segment(m, m["MSH-12"] == "2.5.1"), "value"), (lambda m: by_segment(m, m["MSH-12"].startswith("2.5")), "value"),
    (lambda m: by_segment(m, m["MSH-9.1"] == "OMI"), "value"), (lambda m: by_segment(m, "ZDS" not in m), "value"),
    (lambda m: {"AccessionNumber": m["IPC-1.1"][:16]} if "IPC" in m else {}, "value"),
])
def test_a_procedure_that_is_not_right(editions, change, label):
    verdict = refused("ProcedurePart", editions, lambda message: {**procedure_part(message), **change(message)})
    assert verdict.label == label or label == "value" and verdict.label in ways("ProcedurePart"), verdict


def test_the_hospitals_own_orders_are_read_as_the_reference_reads_them(editions):
    """Every real order, by the lesson's solutions and by the room's mapping."""
    orders = lesson.input_of("real_orders", editions.own)
    assert {one["MSH-12"] for one in orders} == {"2.3", "2.3.1", "2.5.1"}
    for message in orders:
        item, = module.site_mapping(message)
        ours, = items_of(message)
        step, = item.ScheduledProcedureStepSequence
        assert [ours[keyword].rstrip("^") for keyword in module.TOP] == [str(item[keyword].value or "") for keyword in module.TOP]
        assert [ours["ScheduledProcedureStepSequence"][0][keyword] for keyword in module.STEP] == [
            str(step[keyword].value) for keyword in module.STEP]


# 4

def test_items_in_other_forms(editions):
    assert judged("OrderToItems", editions, lambda message: [dataset(item) for item in items_of(message)]).correct
    assert judged("OrderToItems", editions, lambda message: tuple(reversed(items_of(message)))).correct
    assert judged("OrderToItems", editions, lambda message: [
        {**item, "ScheduledProcedureStepSequence": item["ScheduledProcedureStepSequence"][0]} for item in items_of(message)]).correct
    assert judged("OrderToItems", editions, module.site_mapping).correct

    def by_number(message):                                 # without single_steps: segments counted as they come
        found, orders = [], 0
        for segment in message.segments():
            orders += segment.name == "ORC"
            if segment.name != ("IPC" if "IPC" in message else "OBR"):
                continue
            omi, obr = segment.name == "IPC", message.segments("OBR")[orders - 1]
            start = message[f"TQ1[{orders}]-7"] or message[f"ORC[{orders}]-7.4"]
            inside = {
                "ScheduledProcedureStepID": segment["4"] if omi else segment["20"], "Modality": segment["5"] if omi else segment["24"],
                "ScheduledStationAETitle": segment["9"] if omi else module.station_of(message),
                "ScheduledProcedureStepDescription": hl7.unescape(segment["6.2"] if omi else segment["4.5"]),
                "ScheduledProcedureStepStartDate": start[:8], "ScheduledProcedureStepStartTime": start[8:14]}
            found.append({
                **patient_part(message), "AccessionNumber": segment["1.1"] if omi else segment["18"],
                "RequestedProcedureID": segment["2"] if omi else segment["19"],
                "StudyInstanceUID": segment["3"] if omi else message["ZDS-1.1"],
                "RequestedProcedureDescription": hl7.unescape(obr["4.2"]), "ScheduledProcedureStepSequence": inside})
        return found

    assert judged("OrderToItems", editions, by_number).correct


@pytest.mark.parametrize("wrong", [
    lambda message: [], lambda message: items_of(message) * 2, lambda message: items_of(message)[-1:],
    lambda message: [{**item, "ScheduledProcedureStepSequence": []} for item in items_of(message)],
    lambda message: [{**item, "StudyInstanceUID": ""} for item in items_of(message)],
    lambda message: [{**item, "StudyInstanceUID": "2.25.1"} for item in items_of(message)],
    lambda message: [{**item, "Modality": "CT", "ScheduledProcedureStepSequence": [
        {key: value for key, value in item["ScheduledProcedureStepSequence"][0].items() if key != "Modality"}]}
        for item in items_of(message)],
    lambda message: items_of(message)[0], lambda message: [str(item) for item in items_of(message)], lambda message: print(message),
    lambda message: [{**item, "ScheduledProcedureStepSequence": "SPS"} for item in items_of(message)],
    lambda message: [{**item, "Modality": item["ScheduledProcedureStepSequence"][0]["Modality"]} for item in items_of(message)],
    lambda message: [{**item, "ScheduledProcedureStepSequence": {**item["ScheduledProcedureStepSequence"][0], "AccessionNumber": "A1"}}
                     for item in items_of(message)],
])
def test_items_that_are_not_right(editions, wrong):
    assert len(refused("OrderToItems", editions, wrong).message) > 30


def test_mistakes_with_lists_and_loops_get_their_own_sentence(editions):
    def one_dictionary(message):
        items, item = [], {}
        for one in single_steps(message):
            step = procedure_part(one)
            item.update(patient_part(one))
            for keyword in module.TOP[5:]:
                item[keyword] = step.pop(keyword)
            item["ScheduledProcedureStepSequence"] = [step]
            items.append(item)
        return items

    def return_in_the_loop(message):
        items = []
        for item in items_of(message):
            items.append(item)
            return items

    def generator(message):
        yield from items_of(message)

    def one_step(message):
        items, step = [], {}
        for one in single_steps(message):
            item = patient_part(one)
            step.update(procedure_part(one))
            for keyword in module.TOP[5:]:
                item[keyword] = step.pop(keyword)
            item["ScheduledProcedureStepSequence"] = [step]
            items.append(item)
        return items

    def without_single_steps(message):
        item, step = patient_part(message), procedure_part(message)
        for keyword in module.TOP[5:]:
            item[keyword] = step.pop(keyword)
        item["ScheduledProcedureStepSequence"] = [step]
        return [item]

    def list_in_a_list(message):
        return [{**item, "ScheduledProcedureStepSequence": [item["ScheduledProcedureStepSequence"]]} for item in items_of(message)]

    def at_the_top(message):
        items = items_of(message)
        for item in items:
            step = item["ScheduledProcedureStepSequence"][0]
            item["ScheduledProcedureStepID"] = step.pop("ScheduledProcedureStepID")
        return items

    def inside(message):
        items = items_of(message)
        for item in items:
            item["ScheduledProcedureStepSequence"][0]["StudyInstanceUID"] = item.pop("StudyInstanceUID")
        return items

    assert "`ScheduledProcedureStepID`: it stands at the top, and not inside" in refused("OrderToItems", editions, at_the_top).message
    assert "`StudyInstanceUID`: it stands inside the step, and not at the top" in refused("OrderToItems", editions, inside).message
    assert refused("OrderToItems", editions, lambda message: items_of(message)[:3]).outcome is Outcome.NOT_YET
    assert refused("OrderToItems", editions, one_step).label == "same_step"
    assert "Is there a loop over `single_steps(message)`?" in refused("OrderToItems", editions, without_single_steps).message
    assert "a list with another list inside" in refused("OrderToItems", editions, list_in_a_list).message
    said = refused("OrderToItems", editions, lambda message: items_of(message)[:1] if "IPC" in message else items_of(message)).message
    assert "It made 1 item of" in said
    assert refused("OrderToItems", editions, one_dictionary).label == "same_dictionary"
    assert refused("OrderToItems", editions, return_in_the_loop).label == "first_step_only"
    assert "Collect the items in a list" in refused("OrderToItems", editions, lambda message: items_of(message)[0]).message
    assert "`yield`" in refused("OrderToItems", editions, generator).message


# 5

def test_matchings_in_another_persons_words(editions):
    def by_regular_expression(vr, value, key):
        if key in ("", "*"):
            return 1
        if not value:
            return 0
        if "-" in key and vr in ("DA", "TM"):
            low, _, high = key.partition("-")
            return (low or "0") <= value <= (high or "99999999")
        if vr in module.TEXTS:
            return re.fullmatch(re.escape(key).replace(r"\*", ".*").replace(r"\?", "."), value)
        return value == key

    def by_the_room(vr, value, key):
        keyword = {"SH": "AccessionNumber", "PN": "PatientName", "DA": "PatientBirthDate", "LO": "PatientID", "UI": "StudyInstanceUID",
                   "AE": "RetrieveAETitle", "CS": "Modality", "TM": "StudyTime", "LT": "PatientComments",
                   "ST": "InstitutionAddress", "UC": "LongCodeValue", "UR": "RetrieveURL", "UT": "TextValue"}.get(vr)
        if keyword is None:                                 # pydicom makes no IS, DS, AS or DT of a text with wildcards
            return value == key
        return matching.matches(dataset({keyword: value}), dataset({keyword: key}))

    def longhand(vr, value, key):
        if key == "" or key == "*":
            return True
        if value == "":
            return False
        if (vr == "DA" or vr == "TM") and "-" in key:
            parts = key.split("-")
            if parts[0] != "" and value < parts[0]:
                return False
            if parts[1] != "" and value > parts[1]:
                return False
            return True
        if vr not in module.TEXTS:
            return value == key
        return matched(value, key)

    def matched(value, key):
        if key == "":
            return value == ""
        if key[0] == "*":
            return any(matched(value[place:], key[1:]) for place in range(len(value) + 1))
        return value != "" and key[0] in ("?", value[0]) and matched(value[1:], key[1:])

    def names_without_case(vr, value, key):                 # allowed for PN (C.2.2.2.1)
        return fits(vr, value.upper(), key.upper()) if vr == "PN" else fits(vr, value, key)

    for one in (by_regular_expression, by_the_room, longhand, names_without_case):
        assert judged("Fits", editions, one).correct, one


@pytest.mark.parametrize(("wrong", "label"), [
    (lambda vr, value, key: fits(vr, value, key) if key else False, "value"),
    (lambda vr, value, key: fits(vr, value, key.strip("*")), "value"), (lambda vr, value, key: key in value, "value"),
    (lambda vr, value, key: fits("DA", value, key), "value"), (lambda vr, value, key: fits("PN", value, key), "value"),
    (lambda vr, value, key: True, "value"), (lambda vr, value, key: print(key), "nothing"), (lambda vr, value, key: value == key, "value"),
    (lambda vr, value, key: fits(vr, key, value), "the_other_way_round"), (lambda vr, value, key: key in value, "part_of_the_value"),
    (lambda vr, value, key: "True", "unreadable"),
    (lambda vr, value, key: fits(vr, value, "" if vr in ("DA", "TM") and "-" in key else key), "value"),
    (lambda vr, value, key: fits(vr, value, key if "-" not in key or vr not in ("DA", "TM") else key.split("-")[0]), "value"),
    (lambda vr, value, key: fits(vr, value.lower(), key.lower()), "case_ignored"),
    (lambda vr, value, key: fnmatch.fnmatchcase(value, key) if vr in module.TEXTS and value and key else fits(vr, value, key),
     "brackets_without_wildcards_too"),
    (lambda vr, value, key: fits(vr, value, key) if vr in ("DA", "TM") or "" in (value, key) else fnmatch.fnmatchcase(value, key), "value"),
    (lambda vr, value, key: fits(vr, value, key.replace("[", "?") if value else key), "value"),
    *((lambda vr, value, key, texts=texts: value == key if vr not in texts and set("*?") & set(key) and key != "*" else fits(
        vr, value, key), "value") for texts in (("PN", "LO", "SH"), ("LO", "LT", "PN", "SH", "ST", "UT"))),
    (lambda vr, value, key: fits("LO" if vr not in ("UI", "DA", "TM") else vr, value, key), "value"),
    (lambda vr, value, key: fits(vr, value[:4], "-".join(end[:4] for end in key.split("-"))) if vr == "TM" and "-" in key else fits(
        vr, value, key), "value"),                          # times in whole minutes
])
def test_a_matching_that_is_not_right(editions, wrong, label):
    verdict = refused("Fits", editions, wrong)
    assert verdict.label == label or label == "value" and verdict.label in ways("Fits"), verdict


def test_it_is_said_which_rule_decides(editions):
    assert "Rule 1 decides here" in refused("Fits", editions, lambda vr, value, key: fits(vr, value, key) if key != "*" else value != "").message
    said = refused("Fits", editions, lambda vr, value, key: fits("LO" if vr not in ("UI", "DA", "TM") else vr, value, key)).message
    assert "is none of `TEXTS`" in said
    assert "Rule 5 decides here" in refused("Fits", editions, lambda vr, value, key: fits(vr, value, key) or key == value[:-1] != "").message


# 6

def own_server(orders):
    """A worklist of somebody who knows pynetdicom: no MLLP, no Worklist."""
    kept = [dataset(item) for order in orders for item in items_of(hl7.parse(order))]

    def found(item, keys):
        for key in keys:
            if key.VR == "SQ":
                if key.value and not any(found(one, key.value[0]) for one in item.get(key.keyword, [])):
                    return False
            elif not fits(key.VR, str(item.get(key.keyword, "") or ""), str(key.value or "")):
                return False
        return True

    def answer(event):
        for item in kept:
            if event.is_cancelled:
                yield 0xFE00, None
                return
            if found(item, event.identifier):
                yield 0xFF00, copy.deepcopy(item)

    entity = AE("HV_MWL")
    entity.add_supported_context(MWL)
    return entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_FIND, answer)])


def test_worklists_of_other_people(editions):
    def over_the_port(orders):
        worklist = Worklist(mapping=module.mapping, fits=fits).start()
        for order in orders:
            assert send("127.0.0.1", worklist.hl7_port, order)
        return worklist

    def sent_twice(orders):
        worklist = Worklist("HV_MWL", mapping=lambda message: module.mapping(message), fits=lambda vr, value, key: fits(vr, value, key)).start()
        send("127.0.0.1", worklist.hl7_port, orders)
        send("127.0.0.1", worklist.hl7_port, orders)
        return worklist

    for one in (over_the_port, sent_twice, own_server):
        verdict = judged("OpenWorklist", editions, one)
        assert verdict.correct, (one, verdict)


def started(**how):
    def open_worklist(orders):
        worklist = Worklist("HV_MWL", **{"mapping": module.mapping, "fits": fits, **how}).start()
        send(worklist.host, worklist.hl7_port, orders)
        return worklist
    return open_worklist


def _stopped(orders):
    with started()(orders) as worklist:
        return worklist


def _sequence_lost(message):
    return [dataset({**item.pop("ScheduledProcedureStepSequence")[0], **item}) for item in items_of(message)]


def _utc(message):
    made = module.mapping(message)
    made[0].ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartTime = "060000"
    return made


def _taken(orders):
    worklist = Worklist("HV_MWL", mapping=module.mapping, fits=fits).start()
    for order in orders:
        worklist.take(order)
    return worklist


def _not_started(orders):
    worklist = Worklist("HV_MWL", mapping=module.mapping, fits=fits)
    send(worklist.host, worklist.hl7_port, orders)
    return worklist


def _of_others():
    patient, = module._people(random.Random(1), 1)
    return module.orm(module._order(90, patient, "CTHD", "20250407100000")).encode()


def _in_lower_case(orders):
    worklist = Worklist("hv_mwl", mapping=module.mapping, fits=fits).start()
    send(worklist.host, worklist.hl7_port, orders)
    return worklist


@pytest.mark.parametrize(("wrong", "says"), [
    (_stopped, "Does it run under `with`?"), (lambda orders: Worklist("HV_MWL", mapping=module.mapping, fits=fits), "no worklist that runs"),
    (lambda orders: print(orders[0][:3]), "returned nothing"), (started(callers=["CTER01"]), "calling AE title not recognized"),
    (started(mapping=lambda message: items_of(message)), "neither a Dataset nor a list of them"),
    (started(fits=lambda vr, value, key: 1 / 0), "then C000H, the matching failed with ZeroDivisionError"),
    (started(mapping=lambda message: module.mapping(message)[1:]), "made no item"),
    (started(fits=lambda vr, value, key: not key), "alone: 0 items; then 0000H"),
    (started(mapping=_sequence_lost), "0 Scheduled Procedure Steps"), (started(mapping=None, fits=None), "first MR"),
    (started(mapping=_utc), "takes over ScheduledProcedureStepStartTime"), (started(mapping=order_to_items), "CT2 asks with its AE title alone: "),
    (started(mapping=module.site_mapping), "the vendor's"), (started(fits=None), "`fits=fits`"), (_taken, "`take` hands a message over"),
    (lambda orders: Worklist("HV_MWL", module.mapping, fits).start(), "went to other parameters"),
    (lambda orders: (started()(orders), orders), "together with something else"), (lambda orders: 11112, "such as a port"),
    (lambda orders: started()([_of_others()]),
     "none was among those that your function was given"),
    (lambda orders: started()(orders[1:]), "1 of the 10 orders never came"),
    (lambda orders: started()([*orders, _of_others()]), "not every one was among those"),
    (started(fits=lambda vr, value, key: None), "Look for a `return` that is missing in it."),
    (_not_started, "with `.start()`, before anything"), (_in_lower_case, "upper and lower case differ in AE titles"),
])
def test_a_worklist_that_is_not_right(editions, wrong, says):
    said = " ".join(refused("OpenWorklist", editions, wrong).message.split())
    assert says in said and not re.search(r"[^.]\.\.(?!\.)", said) and "b'MSH" not in said


def test_the_worklist_that_is_shown_leaves_nothing_behind(editions):
    (orders,), = EXERCISES["OpenWorklist"].cases_on(editions.own)
    worklist = EXERCISES["OpenWorklist"].solution(orders)
    server, listener = worklist._server.socket, worklist._listener._socket
    try:
        assert len(worklist.items()) == 11                  # ten orders, one of them with two steps
    finally:
        worklist.stop()
    assert server.fileno() == listener.fileno() == -1       # (their ports may be others' by now)


dcmtk = pytest.mark.skipif(not (shutil.which("findscu") and shutil.which("wlmscpfs")), reason="DCMTK is not installed")
IN_STEP = "ScheduledProcedureStepSequence[0]."


def findscu(port, folder, *asked):
    """The answers that DCMTK's findscu got: sorted lists of (AccessionNumber, PatientName, step ID)."""
    folder.mkdir()
    keys = [*asked, *(key for key in ("AccessionNumber", "PatientName", IN_STEP + "ScheduledProcedureStepID", IN_STEP + "Modality")
                      if not any(one.startswith(key) for one in asked))]
    ran = subprocess.run(["findscu", "-W", "-aet", "CTER01", "-aec", "HV_MWL", "-X", "-od", folder, "127.0.0.1", str(port),
                          *(part for key in keys for part in ("-k", key))], capture_output=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    found = [dcmread(path, force=True) for path in sorted(folder.glob("rsp*.dcm"))]
    return sorted((item.AccessionNumber, str(item.PatientName), item.ScheduledProcedureStepSequence[0].ScheduledProcedureStepID)
                  for item in found)


@pytest.fixture(scope="module")
def both(editions, tmp_path_factory):
    """The solution's worklist, and DCMTK's with the same items: two ports."""
    (orders,), = EXERCISES["OpenWorklist"].cases_on(editions.own)
    folder = tmp_path_factory.mktemp("wlm")
    (folder / "HV_MWL").mkdir()
    (folder / "HV_MWL" / "lockfile").touch()
    worklist = EXERCISES["OpenWorklist"].solution(orders)
    process = None
    try:
        for number, item in enumerate(worklist.items()):
            item.SpecificCharacterSet = "ISO_IR 192"
            item.file_meta = FileMetaDataset()
            item.file_meta.TransferSyntaxUID, item.file_meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, MWL
            item.file_meta.MediaStorageSOPInstanceUID = f"2.999.1.{number}"
            item.save_as(folder / "HV_MWL" / f"{number}.wl", enforce_file_format=True)
        port = own_port()
        process = subprocess.Popen(["wlmscpfs", "-s", "-csk", "-dhl", "-dfp", str(folder), str(port)], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        limit = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=10).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < limit, "wlmscpfs does not listen"
                time.sleep(0.02)
        yield worklist.port, port
    finally:
        worklist.stop()
        if process:
            process.kill()
            process.wait()


@dcmtk
@pytest.mark.parametrize(("asked", "count"), [
    ([], 11), ([IN_STEP + "ScheduledStationAETitle=CTER01"], 3), ([IN_STEP + "ScheduledProcedureStepStartDate=20250407"], 5),
    ([IN_STEP + "ScheduledProcedureStepStartDate=20250408-20250409"], 5), ([IN_STEP + "ScheduledProcedureStepStartDate=20250409-"], 3),
    ([IN_STEP + "ScheduledProcedureStepStartDate=-20250407"], 5), (["PatientName=VAN LOO*"], 1), (["PatientName=?AN LOO^HENRI^J*"], 1),
    (["PatientName=VAN LOO"], 0), ([IN_STEP + "Modality=MG"], 0), ([IN_STEP + "Modality=PT"], 1),
    ([IN_STEP + "Modality=CT", IN_STEP + "ScheduledStationAETitle=PETCT1"], 1),
], ids=lambda value: " ".join(value) if isinstance(value, list) else str(value))
def test_dcmtk_sees_the_same_in_the_solutions_worklist_and_in_its_own(both, tmp_path, asked, count):
    ours, theirs = (findscu(port, tmp_path / name, *asked) for name, port in zip(("ours", "theirs"), both))
    assert ours == theirs and len(ours) == count


# 7

def test_fates_in_other_forms(editions):
    right = solved("WhatBecameOfThem", editions)
    assert judged("WhatBecameOfThem", editions, {name: f"{one.upper()})" for name, one in right.items()}).correct
    assert judged("WhatBecameOfThem", editions, list(right.values())).correct
    assert judged("WhatBecameOfThem", editions, {name: f"({one})" for name, one in right.items()}).correct
    assert judged("WhatBecameOfThem", editions, {name: module.FATES[one] for name, one in right.items()}).correct
    assert judged("WhatBecameOfThem", editions, pd.Series(right)).correct
    assert refused("WhatBecameOfThem", editions, {**right, "order 1": "i"}).label == "unreadable"
    for name, one in right.items():
        for other in module.FATES:
            if other != one:
                verdict = refused("WhatBecameOfThem", editions, {**right, name: other})
                assert verdict.label in {*ways("WhatBecameOfThem"), "value"} and len(verdict.message) > 40


def test_a_cancelled_order_of_another_patient_is_told(editions):
    plots = lesson.input_of("plots", editions.own)
    name = next(name for name, plot in plots.items() if plot == "survivor")
    said = refused("WhatBecameOfThem", editions, {**solved("WhatBecameOfThem", editions), name: "a"}).message
    assert "The CA in its second line is about another order" in said


def test_fates_are_what_the_rules_say():
    told = {"change": "d", "cancelled": "a", "retired": "e", "survivor": "b", "begun": "c", "wrong entry": "b", "after the end": "a",
            "update": "h"}
    for seed in range(4):
        own = hospital(seed, "tiny")
        plots = lesson.input_of("plots", own)
        assert module.fates(lesson.input_of("morning", own)) == {name: told[plot] for name, plot in plots.items()}


def test_nothing_is_refused_but_what_the_lesson_says(editions):
    plots = lesson.input_of("plots", editions.own)
    with Worklist("HV_MWL", mapping=module.site_mapping) as worklist:
        for name, events in lesson.input_of("morning", editions.own).items():
            said = [module.play(worklist, event) for event in events]
            assert all(one in ("AA", "0000H") for one in said[:-1])
            assert said[-1] == ("0110H" if plots[name] == "after the end" else said[-1]) and said[-1] in ("AA", "0000H", "0110H")


# 8

@pytest.mark.parametrize("seed", range(6))
def test_every_list_is_empty_and_for_the_reason_that_is_asked(seed):
    own = hospital(seed, "tiny")
    asked, right = lesson.input_of("asked", own), EXERCISES["EmptyLists"].solution(lesson.input_of("asked", own))
    assert sorted(right.values()) == ["Modality", "PatientName", "ScheduledProcedureStepStartDate", "ScheduledStationAETitle", "none"]
    with Worklist("HV_MWL", mapping=module.site_mapping) as worklist:
        assert {answer["MSA-1"] for answer in send(worklist.host, worklist.hl7_port, lesson.input_of("todays_orders", own))} == {"AA"}
        for scanner, query in asked.items():
            caller, mended = Scu(scanner, "HV_MWL", worklist.port), copy.deepcopy(query)
            assert caller.worklist(query) == []
            mended["PatientName"] = ""
            mended["ScheduledProcedureStepSequence"] |= {"ScheduledStationAETitle": scanner, "Modality": module.SCANNERS[scanner],
                                                         "ScheduledProcedureStepStartDate": module.TODAY}
            assert (caller.worklist(mended) == []) == (right[scanner] == "none")


def test_keys_as_people_write_them(editions):
    right = solved("EmptyLists", editions)
    tags = {"Modality": "(0008,0060)", "PatientName": "00100010", "ScheduledProcedureStepStartDate": 0x00400002,
            "ScheduledStationAETitle": "(0040,0001)", "none": "None"}
    assert judged("EmptyLists", editions, {scanner: tags[key] for scanner, key in right.items()}).correct
    assert judged("EmptyLists", editions, {scanner.lower(): key.upper() for scanner, key in right.items()}).correct
    assert judged("EmptyLists", editions, list(right.values())).correct
    path = {key: f"ScheduledProcedureStepSequence{dot}{key}" for key, dot in (
        ("ScheduledStationAETitle", "."), ("Modality", "[0]."), ("ScheduledProcedureStepStartDate", " > "))}
    assert judged("EmptyLists", editions, {scanner: path.get(key, key) for scanner, key in right.items()}).correct
    column = {"ScheduledStationAETitle": "AE title", "ScheduledProcedureStepStartDate": "date"}
    for nothing in ("", None, " "):
        assert judged("EmptyLists", editions, {scanner: nothing if key == "none" else column.get(key, key) for scanner, key in right.items()}).correct
    idle = lesson.input_of("idle_scanner", editions.own)
    assert refused("EmptyLists", editions, {**right, idle: "ScheduledProcedureStepStartDate"}).label == "date_of_the_idle_one"
    for scanner, key in right.items():
        for other in ("Modality", "PatientID", "ScheduledProcedureStepStartTime", "PatientSex", "none", "ScheduledStationAETitle"):
            if other != key:
                assert len(refused("EmptyLists", editions, {**right, scanner: other}).message) > 40
    assert refused("EmptyLists", editions, {**right, idle: "the network"}).label == "unreadable"


# 9

def test_case_17_in_other_forms(editions):
    right = solved("WhyItNeverCame", editions)
    assert judged("WhyItNeverCame", editions, {**right, "cause": "D", "frame": f"frame {right['frame']}"}).correct
    assert judged("WhyItNeverCame", editions, {**right, "cause": module.CAUSES["d"], "frame": float(right["frame"])}).correct
    assert judged("WhyItNeverCame", editions, {**right, "message": right["message"].lower() + " "}).correct
    assert judged("WhyItNeverCame", editions, list(right.values())).correct
    assert judged("WhyItNeverCame", editions, {**right, "planned_for": f" {right['planned_for']} "}).correct
    assert refused("WhyItNeverCame", editions, {**right, "planned_for": right["planned_for"].lower()}).label == "case"
    assert refused("WhyItNeverCame", editions, {**right, "frame": 1}).label
    assert refused("WhyItNeverCame", editions, {**right, "cause": "f"}).label == "unreadable"
    assert refused("WhyItNeverCame", editions, {**right, "message": "A2503300017"}).label
    assert refused("WhyItNeverCame", editions, {**right, "planned_for": "CT2"}).label == "value"
    assert judged("WhyItNeverCame", editions, {**right, "cause": "(d)"}).correct
    for entry, given, says in (("frame", 13, "A-ASSOCIATE-RQ"), ("frame", 1, "no PDU begins"), ("message", "8", "the number of a row"),
                               ("message", "ORM^O01", "the type of a message")):
        assert says in refused("WhyItNeverCame", editions, {**right, entry: given}).message


@pytest.mark.parametrize("seed", [0, 3, 8])
def test_the_artefacts_of_the_night_agree(seed):
    own = hospital(seed, "tiny")
    case = next(incident.facts for incident in own.incidents if incident.id == "C17")
    right = EXERCISES["WhyItNeverCame"].computed(EXERCISES["WhyItNeverCame"].solution, own)
    night = lesson.input_of("night", own)
    assert set(night[night["MSH-10"] == right["message"]]["message"]) == {"ORM^O01"}
    assert night[night["MSH-10"] == right["message"]]["UTC"].iloc[0] == case["ordered_utc"]
    assert right["planned_for"] == case["former_aet"]
    assert set(lesson.input_of("night_capture", own).contexts["client"]) == {case["station_aet"]}
    assert right["frame"] == own.capture("ct_mwl").truth["frames"][0]


# What is made and shown

def test_the_lessons_orders_are_whole_and_taken(editions):
    """The room's mapping takes each of them, and every step of them is an item."""
    for one in [*(order.encode() for order in (module.orm(made) for made in lesson.input_of("list_orders", editions.own))),
                lesson.input_of("pet_order", editions.own), *(case[0] for case in EXERCISES["OrderToItems"].cases_on(editions.own))]:
        message = hl7.parse(one)
        assert len(module.site_mapping(message)) == len(single_steps(message))


def test_an_item_is_shown_as_text(editions):
    item = lesson.input_of("night_item", editions.own)
    lines = repr(module.show(item)).splitlines()
    assert "(0010,0010) PatientName                                 UNKNOWN^FEMALE-77" in lines
    assert "      (0008,0060) Modality                                    CT" in lines
    assert repr(module.show({"PatientID": "HV1", "ScheduledProcedureStepSequence": [{"Modality": "CT"}]})).splitlines()[-1] == lines[
        lines.index("      (0008,0060) Modality                                    CT")]


def test_each_pending_answer_is_an_event_of_the_picture(editions):
    with Worklist("HV_MWL", mapping=module.site_mapping) as worklist:
        for order in lesson.input_of("todays_orders", editions.own):
            worklist.take(order)
        scanner = Scu("CT2", "HV_MWL", worklist.port)
        count = len(scanner.worklist(ScheduledProcedureStepSequence={"ScheduledStationAETitle": "CT2"}))
        scanner.worklist(PatientComments="", ScheduledProcedureStepSequence={"ScheduledStationAETitle": "CT2"})
        scanner.worklist(PatientID="HV1")
        told = [event.detail for event in module.with_pending(worklist.journal) if event.what == "C-FIND-RSP"]
    assert count > 2 and told == [*["FF00H an item"] * count, "0000H that was all", *["FF01H an item"] * count, "0000H that was all",
                                  "0000H that was all"]


def test_the_picture_names_each_field(editions):
    says = module.mapped(lesson.input_of("order", editions.own)).says
    assert "Accession Number (0008,0050) from OBR-18" in says and "Modality (0008,0060), inside the step sequence, from OBR-24" in says
