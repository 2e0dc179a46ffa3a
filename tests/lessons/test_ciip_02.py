"""What learners give in lesson ciip-02 beyond the solutions and wrong ways, and the data that they are asked about."""

import contextlib
import copy
import datetime
import random
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
from pydicom import config
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.errors import CourseError
from coursekit.hospital import hospital
from coursekit.lessons import ciip_02_migration as lesson_module
from coursekit.lessons.ciip_02_migration import THINGS, HowLong, inventory_parts, lesson, steps_of, surviving, upper_bound
from coursekit.systems.old_archive import OldArchive
from coursekit.systems.scu import Scu

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"), lambda: [hospital(201, "tiny")])


def judged(name, editions, *given):
    return EXERCISES[name].judge(given, editions)


def solved(name, editions):
    return EXERCISES[name].computed(EXERCISES[name].solution, editions.own)


def given(name, editions):
    return lesson.input_of(name, editions.own)


# --- numbers

def test_right_counts_in_other_forms_are_right(editions):
    right, (source, target) = solved("Reconcile", editions), (given("source", editions), given("target", editions))
    there, here = set(source.study_uid), set(target.study_uid)
    by_sets = {"missing": len(there - here), "extra": len(here - there)}
    old, new = source.set_index("study_uid").instances, target.groupby("study_uid").instances.first()
    by_sets["short"] = sum(new[uid] < old[uid] for uid in there & here)
    ids, now = source.set_index("study_uid").patient_id, target.groupby("study_uid").patient_id.first()
    by_sets["other patient"] = sum(now[uid] != ids[uid] for uid in there & here)
    by_sets["TWICE"] = (target.study_uid.value_counts() > 1).sum()
    assert judged("Reconcile", editions, by_sets).correct
    assert judged("Reconcile", editions, {name: str(value) for name, value in right.items()}).correct
    assert judged("Reconcile", editions, {name: f"{value} studies" for name, value in right.items()}).correct
    assert judged("Reconcile", editions, list(right.items())).correct


@pytest.mark.parametrize(("entry", "change", "says"), [
    ("missing", lambda right: right["missing"] - right["twice"], "`merge` gives two rows"),
    ("extra", lambda right: right["extra"] + right["twice"], "rows of the target"),
    ("short", lambda right: 0, "totals"), ("twice", lambda right: 2 * right["twice"], "both of them"),
    ("other_patient", lambda right: right["other_patient"] + 1, "`other_patient`"),
    ("extra", lambda right: 0, "nothing in excess"),
])
def test_wrong_counts_are_refused_and_told_by_their_entry(editions, entry, change, says):
    right = solved("Reconcile", editions)
    verdict = judged("Reconcile", editions, {**right, entry: change(right)})
    assert verdict.outcome is Outcome.NOT_YET and (says in verdict.message or entry in verdict.message), verdict


def test_second_rows_are_not_compared(editions):
    """What the notebook warns of has to bite: without drop_duplicates each of the three numbers is another."""
    right, (source, target) = solved("Reconcile", editions), (given("source", editions), given("target", editions))
    rows = source.merge(target, on="study_uid", suffixes=("_old", "_new"))
    last = source.merge(target.drop_duplicates("study_uid", keep="last"), on="study_uid", suffixes=("_old", "_new"))
    for both in (rows, last):
        short, other = int((both.instances_new < both.instances_old).sum()), int((both.patient_id_new != both.patient_id_old).sum())
        assert short > right["short"] and other > right["other_patient"]
        assert "second" in judged("Reconcile", editions, {**right, "short": short}).message
        assert "second" in judged("Reconcile", editions, {**right, "other_patient": other}).message


def test_what_was_tried_again_has_arrived():
    migration = hospital(3, "tiny").projects.migration
    here, there = {one.study_uid: one for one in migration.source}, {one.study_uid: one for one in reversed(migration.target)}
    again = [one.study_uid for one in migration.errors if one.status == "A702"]
    assert again and all(there[uid].instances == here[uid].instances for uid in again)


def test_every_legitimate_limit_is_right(editions):
    right, vendor, own = solved("SampleSays", editions), given("vendor_sample", editions), given("own_sample", editions)
    for change in ({"vendor_at_most": 100 * (1 - 0.05 ** (1 / len(vendor)))}, {"needed": 2995}, {"needed": "3,000"},
                   {"vendor_at_most": f"at most {right['vendor_at_most']:.1f} per cent"},
                   {"own_at_most": f"<= {right['own_at_most']:.1f} %"},
                   {"needed": 2994.24}, {"needed": 2995.7}, {"own_at_most": 100 * upper_bound(len(own), int(own.differs.sum()))},
                   {"vendor_at_most": f"{right['vendor_at_most']:.2f} %"}, {"not_covered": round(right["not_covered"], 1)},
                   {"own_at_most": round(right["own_at_most"], 1)}):
        assert judged("SampleSays", editions, {**right, **change}).correct, change


@pytest.mark.parametrize(("change", "says"), [
    ({"vendor_at_most": 0}, "No wrong one"), ({"needed": 4605}, "needed"), ({"needed": 1000}, "*one* wrong one"),
    ({"needed": 1961}, "needed"), ({"needed": 2994}, "it takes some more"), ({"needed": 2990}, "it takes some more"),
    ({"needed": 3004}, "takes fewer"), ({"needed": 300}, "1 per cent"), ({"needed": 10000}, "ten divided"),
    ({"needed": 3688}, "on one side"), ({"needed": 2302}, "90 % confidence"), ({"needed": 2301.4}, "90 % confidence"),
    ({"own_at_most": "at most 0 %"}, "own_at_most"),
    ({"not_covered": 0}, "not_covered"), ({"own_at_most": 0.1}, "own_at_most"), ({"own_at_most": 0}, "own_at_most"),
])
def test_what_a_sample_does_not_prove(editions, change, says):
    verdict = judged("SampleSays", editions, {**solved("SampleSays", editions), **change})
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def test_the_limits_of_the_own_sample_are_told_apart(editions):
    right, own = solved("SampleSays", editions), given("own_sample", editions)
    two_sided = 100 * upper_bound(len(own), int(own.differs.sum()), 0.975)
    assert "two-sided" in judged("SampleSays", editions, {**right, "own_at_most": two_sided}).message
    for more, says in ((1, "one wrong study more"), (-1, "one wrong study less")):
        limit = 100 * upper_bound(len(own), int(own.differs.sum()) + more)
        assert says in judged("SampleSays", editions, {**right, "own_at_most": round(limit, 1)}).message
    for off in (-0.09, 0.09):
        assert not judged("SampleSays", editions, {**right, "own_at_most": right["own_at_most"] + off}).correct


def test_other_reckonings_of_a_share_are_told(editions):
    right, own = solved("SampleSays", editions), given("own_sample", editions)
    source, target = given("source", editions), given("target", editions)
    share = float(own.differs.mean())
    bell = 100 * (share + 1.96 * (share * (1 - share) / len(own)) ** 0.5)
    assert "1.96" in judged("SampleSays", editions, {**right, "own_at_most": bell}).message
    neither = 100 * float(((source.modality != "CT") & (source.study_date < "2024-01-01")).mean())
    assert "both, CT and recent" in judged("SampleSays", editions, {**right, "not_covered": neither}).message
    arrived = 100 * (1 - float(((target.modality == "CT") & (target.study_date >= "2024-01-01")).mean()))
    if abs(arrived - right["not_covered"]) > 0.1:
        assert "rows of `target`" in judged("SampleSays", editions, {**right, "not_covered": arrived}).message


def test_a_fraction_for_per_cent_is_told_as_that_and_not_as_zero(editions):
    right = solved("SampleSays", editions)
    exact = 1 - 0.05 ** (1 / len(given("vendor_sample", editions)))
    for share in (right["vendor_at_most"] / 100, exact, round(exact, 5)):
        assert "a fraction" in judged("SampleSays", editions, {**right, "vendor_at_most": share}).message


@pytest.mark.parametrize(("n", "k", "limit"), [(60, 0, 0.0487), (10, 0, 0.2589), (100, 1, 0.0466), (300, 10, 0.0558), (20, 20, 1.0)])
def test_the_exact_limit(n, k, limit):
    assert upper_bound(n, k) == pytest.approx(limit, abs=1e-3)


def test_durations_in_other_forms_are_right(editions):
    right, sheet = solved("HowLong", editions), given("sheet", editions)
    assert judged("HowLong", editions, {name: f"{value:.0f}" for name, value in right.items()}).correct
    with_units = {"days": f"{right['days']:.0f} days", "source_hours": f"{right['source_hours']:.1f} h"}
    assert judged("HowLong", editions, {**right, **with_units}).correct
    assert judged("HowLong", editions, {**right, "days": datetime.timedelta(right["days"])}).correct
    # Day by day, as in a spreadsheet.
    left, day = float(sheet["objects"]), 0
    a_day = sheet["objects"] / right["source_hours"] * sheet["window_hours"] * sheet["nights_a_week"] / 7
    while left > 0:
        left, day = left - a_day + sheet["new_objects_a_day"], day + 1
    assert judged("HowLong", editions, {**right, "days": day}).correct


@pytest.mark.parametrize("change", [{"days": lambda right: right["days"] * 1.03}, {"days": lambda right: right["days"] / 7},
                                    {"source_hours": lambda right: right["source_hours"] * 3600}, {"network_hours": lambda right: 0},
                                    {"target_hours": lambda right: right["target_hours"] / 2}])
def test_other_durations_are_refused(editions, change):
    right = solved("HowLong", editions)
    (name, other), = change.items()
    assert judged("HowLong", editions, {**right, name: other(right)}).outcome is Outcome.NOT_YET


def test_ways_to_reckon_the_days_are_told_as_what_they_are(editions):
    right, sheet = solved("HowLong", editions), given("sheet", editions)
    a_day = sheet["window_hours"] * 6 / 7
    sent = sheet["objects"] * (1 + sheet["again"])
    slow, new = right["source_hours"], sheet["new_objects_a_day"]
    for days, says in ((right["days"] * 6 / 7, "number of nights"), (sent / (sent * a_day / slow - new), "*sent* in a day"),
                       (sheet["objects"] / (sheet["objects"] * a_day / slow - new * 6 / 7), "on days with a run"),
                       (sheet["objects"] / (sheet["objects"] * a_day / right["target_hours"] - new), "with the target"),
                       (sheet["objects"] / (sheet["objects"] * a_day / slow), "what the clinic adds every day"),
                       (slow / sheet["window_hours"], "number of nights that the slowest stage fills"),
                       (sheet["objects"] / (sent * a_day / slow - new), "your speed counts what is sent again"),
                       (sheet["objects"] / (sheet["objects"] * a_day / slow - new * 5 / 7), "five days of the week"),
                       (sent / (sheet["objects"] * a_day / slow - new), "sent again twice"),
                       ((slow + right["network_hours"] + right["target_hours"]) / a_day, "You added the stages"),
                       (slow / 24, "at 24 hours a day")):
        assert says in judged("HowLong", editions, {**right, "days": days}).message, says
    assert "1024 x 1024" in judged("HowLong", editions, {**right, "network_hours": right["network_hours"] * 1e6 / 1024 ** 2}).message
    for name, says in (("network_hours", "over the line a second time"), ("target_hours", "the target has to take a second time")):
        assert says in judged("HowLong", editions, {**right, name: right[name] / (1 + sheet["again"])}).message


# --- functions

def test_other_programs_that_decide_alike_are_right(editions):
    def table_of_rules(study, patients, orders):
        now = surviving(study["patient_id"], patients)
        same = [number for number, one in orders.items() if surviving(one["patient_id"], patients) == now
                and (one["date"], one["modality"]) == (study["date"], study["modality"])]
        number = study["accession"] if study["accession"] in orders else same[0] if len(same) == 1 else None
        if not study["objects"] or study["withdrawn"] or study["patient_id"][:2] == "ZZ":
            return "Leave"
        if now is None or not study["birth_date"] or patients[now]["birth_date"] != study["birth_date"] or number is None \
                or surviving(orders[number]["patient_id"], patients) != now:
            return " MANUAL "
        return "auto" if (now, number) == (study["patient_id"], study["accession"]) else "'fix'"

    assert judged("Decide", editions, table_of_rules).correct
    assert judged("Decide", editions, lambda *all_of_it: table_of_rules(*all_of_it).strip().lower()).correct


@pytest.mark.parametrize("wrong", [
    lambda study, patients, orders: "auto", lambda study, patients, orders: "manual", lambda study, patients, orders: print(),
    lambda study, patients, orders: "auto" if study["accession"] in orders else "manual",
    lambda study, patients, orders: study["patient_id"] in patients, lambda study, patients, orders: ["auto"] * 2,
    lambda study, patients, orders: "quarantine" if EXERCISES["Decide"].solution(study, patients, orders) == "manual" else "auto",
])
def test_other_decisions_are_refused(editions, wrong):
    verdict = judged("Decide", editions, wrong)
    assert verdict.outcome is Outcome.NOT_YET and len(verdict.message) > 20


def answered(study, patients, orders, birth=None, leave=None, known=None, order_is=None, day=None, modality=None):
    """The policy, with one part of it otherwise."""
    birth = birth or (lambda study, now, patients: study["birth_date"] != "" and patients[now]["birth_date"] == study["birth_date"])
    order_is = order_is or (lambda order, now, study, patients: surviving(order["patient_id"], patients) == now)
    if (leave or (lambda study: study["objects"] == 0 or study["withdrawn"] or study["patient_id"].startswith("ZZ")))(study):
        return "leave"
    patient = surviving(study["patient_id"], patients)
    if patient is None or not birth(study, patient, patients):
        return "manual"
    number = study["accession"]
    if number in orders and not (known and known(surviving(orders[number]["patient_id"], patients), patient)):
        if not order_is(orders[number], patient, study, patients):
            return "manual"
    else:
        fitting = [one for one, order in orders.items() if surviving(order["patient_id"], patients) == patient
                   and (day or str.__eq__)(order["date"], study["date"]) and (modality or str.__eq__)(order["modality"], study["modality"])]
        if len(fitting) != 1:
            return "manual"
        number = fitting[0]
    return "auto" if (patient, number) == (study["patient_id"], study["accession"]) else "fix"


@pytest.mark.parametrize(("part", "says"), [
    ({}, None),
    ({"birth": lambda study, now, patients: patients[study["patient_id"]]["birth_date"] == study["birth_date"]}, "wrong merge"),
    ({"birth": lambda study, now, patients: study["birth_date"] in ("", patients[now]["birth_date"])}, "second witness"),
    ({"birth": lambda study, now, patients: study["birth_date"][:4] == patients[now]["birth_date"][:4]}, "year of birth"),
    ({"birth": lambda study, now, patients: study["birth_date"] != "" and study["birth_date"][:7] == patients[now]["birth_date"][:7]},
     "Rule 2 decides here"),
    ({"modality": lambda theirs, ours: theirs.upper() == ours.upper()}, "no orders fit"),
    ({"birth": lambda study, now, patients: study["birth_date"][5:] == patients[now]["birth_date"][5:]}, "Rule 2 decides here"),
    ({"birth": lambda study, now, patients: "" != study["birth_date"] == patients[now]["birth_date"]
      == patients[study["patient_id"]]["birth_date"]},
     "entry is retired"),
    ({"birth": lambda study, now, patients: study["birth_date"] == patients[now]["birth_date"]}, "neither the study nor the master"),
    ({"birth": lambda study, now, patients: patients[now]["birth_date"] in ("", study["birth_date"])}, "*master* has no birth date"),
    ({"birth": lambda study, now, patients: study["birth_date"] != "" and patients[now]["birth_date"] in ("", study["birth_date"])},
     "Rule 2 decides here"),
    ({"known": lambda theirs, ours: theirs != ours}, "no rule can say which"),
    ({"known": lambda theirs, ours: theirs is None}, "an ID that nobody has, and you go on"),
    ({"order_is": lambda order, now, study, patients: surviving(order["patient_id"], patients) in (now, None)}, "let it pass"),
    ({"order_is": lambda order, now, study, patients: order["patient_id"] in (now, study["patient_id"])}, "with two IDs"),
    ({"day": lambda theirs, ours: theirs[:7] == ours[:7]}, "same *month*"),
    ({"day": lambda theirs, ours: abs((datetime.date.fromisoformat(theirs) - datetime.date.fromisoformat(ours)).days) <= 1},
     "day before and after"),
    ({"modality": lambda theirs, ours: theirs == ours or {theirs, ours} == {"CR", "DX"}}, "CR and DX for one"),
    ({"leave": lambda study: study["objects"] == 0 or study["withdrawn"] or study["patient_id"].startswith("Z")}, "begins with one `Z`"),
    ({"leave": lambda study: study["objects"] < 2 or study["withdrawn"] or study["patient_id"].startswith("ZZ")}, "single object"),
    ({"leave": lambda study: study["objects"] == 0 or study["withdrawn"] or "ZZ" in study["patient_id"]}, "*begins*"),
])
def test_the_dangerous_ideas_are_caught(editions, part, says):
    verdict = judged("Decide", editions, lambda *case: answered(*case, **part))
    assert verdict.correct if says is None else not verdict.correct and says in verdict.message, verdict


def test_what_comes_before_and_after_a_merge_is_told(editions):
    def birth_date_first(study, patients, orders):
        return "manual" if study["birth_date"] == "" else answered(study, patients, orders)

    def merged_into_a_test_patient(study, patients, orders):
        return "leave" if (surviving(study["patient_id"], patients) or "").startswith("ZZ") else answered(study, patients, orders)

    def empty_number_found(study, patients, orders):
        changed = study["accession"] == "" and study["patient_id"] == surviving(study["patient_id"], patients)
        return "auto" if changed and answered(study, patients, orders) == "fix" else answered(study, patients, orders)

    assert "from empty to that number" in judged("Decide", editions, empty_number_found).message
    assert "before rule 1" in judged("Decide", editions, birth_date_first).message
    assert "merged *into* a test patient's" in judged("Decide", editions, merged_into_a_test_patient).message


def test_a_word_that_is_no_pile_is_told_as_that(editions):
    for word, says in (("quarantine", "`manual`."), ("leave it", "none of the four words"), (5, "none of the four words")):
        verdict = judged("Decide", editions, lambda *case: word if answered(*case) == "manual" else answered(*case))
        assert verdict.outcome is Outcome.NOT_YET and says in verdict.message and "four words" in verdict.message, verdict
    verdict = judged("Decide", editions, lambda *case: None if answered(*case) == "manual" else answered(*case))
    assert "Is a `return` missing?" in verdict.message, verdict


@pytest.mark.parametrize(("known", "search", "says"), [
    ("raw raw", "now now", "as they stand. Either may be"), ("now raw", "now now", "that the *study* carries"),
    ("raw now", "now now", "compare the ID in the order as it stands"), ("now now", "raw raw", "their ID and the study's as they stand"),
    ("now now", "now raw", "that the *study* carries"), ("now now", "raw now", "compare their ID as it stands"),
    ("now raw", "now raw", "under a retired ID"), ("now now", "now now", None),
])
def test_whose_id_is_compared_with_whose_is_told(editions, known, search, says):
    def same(how, order, study, patients):
        theirs, ours = how.split()
        return ((order["patient_id"] if theirs == "raw" else surviving(order["patient_id"], patients))
                == (study["patient_id"] if ours == "raw" else surviving(study["patient_id"], patients)))

    def decide(study, patients, orders):
        right = EXERCISES["Decide"].solution(study, patients, orders)
        patient, number = surviving(study["patient_id"], patients), study["accession"]
        if right == "leave" or patient is None or patients[patient]["birth_date"] != study["birth_date"] or study["birth_date"] == "":
            return right
        if number in orders:
            if not same(known, orders[number], study, patients):
                return "manual"
        else:
            found = [one for one, order in orders.items() if same(search, order, study, patients)
                     and (order["date"], order["modality"]) == (study["date"], study["modality"])]
            if len(found) != 1:
                return "manual"
            number = found[0]
        return "auto" if (patient, number) == (study["patient_id"], study["accession"]) else "fix"

    verdict = judged("Decide", editions, decide)
    assert verdict.correct if says is None else says in verdict.message, verdict


@pytest.mark.parametrize(("when", "says"), [
    (lambda study, patients, orders: study["withdrawn"], "Rule 1 decides here, before all others: the study is withdrawn."),
    (lambda study, patients, orders: study["patient_id"].startswith("EC-1O") and not study["withdrawn"], "nobody has that Patient ID"),
    (lambda study, patients, orders: study["birth_date"] == "", "the study says nothing."),
    (lambda study, patients, orders: study["accession"].startswith("X") and len(orders) == 2, "no orders fit"),
])
def test_a_case_that_fails_is_told_by_its_study_and_rule(editions, when, says):
    verdict = judged("Decide", editions, lambda *case: "fix" if when(*case) else EXERCISES["Decide"].solution(*case))
    assert "For the study with patient_id 'EC-" in verdict.message and says in verdict.message, verdict
    assert "it returned `'fix'`" in verdict.message and "q3.failed" in verdict.message


def test_cases_hold_each_of_the_piles():
    for seed in range(5):
        said = [EXERCISES["Decide"].solution(*case) for case in EXERCISES["Decide"].cases(random.Random(seed))]
        assert min(said.count(pile) for pile in ("auto", "fix", "manual", "leave")) >= 6


def test_other_clients_with_a_complete_inventory_are_right(editions):
    def recursive(port, limit):
        scu = Scu("HV_MOVER", "ECC_PACS", port)

        def ask(start):
            rows = scu.find("STUDY", PatientID=start + "*", StudyInstanceUID="", StudyDate="")
            return rows if len(rows) < limit else [row for digit in range(10) for row in ask(f"{start}{digit}")]

        rows = ask("EC-") + ask("HV")
        return {"studies": ", ".join({row.StudyInstanceUID for row in rows}),
                "undated": str(len({row.StudyInstanceUID for row in rows if not row.StudyDate}))}

    def by_dates_and_then_by_patients(port, limit):
        """The usual way, day ranges, and the patients once more for what has no date."""
        scu, dates = Scu("HV_MOVER", "ECC_PACS", port), {}
        todo = [(datetime.date(2016, 1, 1), datetime.date(2024, 12, 31))]
        while todo:
            first, last = todo.pop()
            rows = scu.find("STUDY", StudyDate=f"{first:%Y%m%d}-{last:%Y%m%d}", StudyInstanceUID="", PatientID="")
            if len(rows) >= limit:
                half = first + (last - first) / 2
                todo += [(first, half), (half + datetime.timedelta(1), last)]
            dates |= {row.StudyInstanceUID: row.StudyDate for row in rows}
        for start in [f"{start}{digit}" for start in ("HV", "HV6", "EC-", "EC-8", "EC-88", "EC-884") for digit in range(10)]:
            rows = scu.find("STUDY", PatientID=start + "*", StudyInstanceUID="", StudyDate="")
            dates |= {row.StudyInstanceUID: row.StudyDate for row in rows}
        return {"undated": list(dates.values()).count(""), "studies": set(dates)}

    assert judged("CompleteInventory", editions, recursive).correct
    assert judged("CompleteInventory", editions, by_dates_and_then_by_patients).correct


def harvested(port, limit, full=lambda rows, limit: len(rows) >= limit, undated=lambda date: date == "", each_once=True,
              starts=("EC-", "HV"), whole=lambda start: False):
    """A right client, with one part of it otherwise."""
    scu, uids, dates, todo = Scu("HV_MOVER", "ECC_PACS", port), [], {}, list(starts)
    while todo:
        start = todo.pop()
        rows = scu.find("STUDY", PatientID=start + "*", StudyInstanceUID="", StudyDate="")
        if full(rows, limit) and not whole(start) and len(start) < 9:
            todo += [f"{start}{digit}" for digit in range(10)]
        else:
            uids += [row.StudyInstanceUID for row in rows]
            dates |= {row.StudyInstanceUID: row.StudyDate for row in rows}
    return {"studies": list(dates) if each_once else uids, "undated": sum(undated(date) for date in dates.values())}


@pytest.mark.parametrize(("part", "says"), [
    ({"each_once": False}, "rows are not studies"),
    ({"full": lambda rows, limit: len({row.StudyInstanceUID for row in rows}) >= limit}, "it counts *rows*"),
    ({"undated": lambda date: date is None}, "ou count 0 studies without a date"),
])
def test_near_clients_are_told_what_they_do(editions, part, says):
    verdict = judged("CompleteInventory", editions, lambda port, limit: harvested(port, limit, **part))
    assert not verdict.correct and says in verdict.message, verdict


class Sent(tuple):
    """A row of an answer, (UID, whether it has a date), as a client reads it."""

    StudyInstanceUID = property(lambda self: self[0])
    StudyDate = property(lambda self: "20200101" if self[1] else "")


def concluded(monkeypatch, editions, **part):
    """The verdict on `harvested` with that part otherwise; archives and network are left out, the answers are those that they'd give."""
    stage = EXERCISES["CompleteInventory"].stage

    class Quick:
        def __init__(self, calling, called, port):
            self.state = port

        def find(self, level, PatientID, **keys):
            return [Sent(row) for row in lesson_module._listed(self.state, PatientID.rstrip("*"))]

    monkeypatch.setattr(lesson_module, "OldArchive", lambda *args, **named: contextlib.nullcontext(SimpleNamespace(port=0)))
    monkeypatch.setattr(sys.modules[__name__], "Scu", Quick)

    @contextlib.contextmanager
    def staged(draw):
        with stage(draw) as cases:
            yield [((state, limit), state) for (_, limit), state in cases]

    monkeypatch.setattr(EXERCISES["CompleteInventory"], "stage", staged)
    return judged("CompleteInventory", editions, lambda port, limit: harvested(port, limit, **part))


@pytest.mark.parametrize(("part", "says"), [
    ({}, None),
    ({"starts": ["EC-", "HV1"]}, "begins with 1"),
    ({"starts": ["EC-", "HV1"], "whole": lambda start: start == "HV1"}, "begins with 1"),
    ({"whole": lambda start: start == "HV"}, "never `HV`"),
    ({"whole": lambda start: len(start) >= 6}, "is missing"), ({"whole": lambda start: len(start) >= 5}, "is missing"),
    *(({"full": lambda rows, limit, most=most: len(rows) >= most}, "missing") for most in (3, 5, 6, 7, 8, 10, 14, 18, 20, 21, 22)),
])
def test_ideas_that_fit_what_the_notebook_shows_do_not_get_all(editions, monkeypatch, part, says):
    verdict = concluded(monkeypatch, editions, **part)
    assert verdict.correct if says is None else not verdict.correct and (says in verdict.message or says == "missing"), verdict


@pytest.mark.parametrize("seed", range(12))
def test_the_archives_tell_ideas_apart_on_every_seed(seed):
    for new in (True, False):
        studies, limit = lesson_module._to_be_asked(random.Random(seed), new)
        rows = [one.patient for one in studies for _ in one.series[:1 if new else None]]
        assert max(map(rows.count, rows)) < limit and all(any(one.startswith(f"{start}{digit}") for one in rows)
                                                          for start in ("EC-", "HV") for digit in range(10))
        assert all(re.fullmatch(r"EC-\d{5}|HV\d{6}", one) for one in rows)
        assert all(sum(one.startswith(start) for one in rows) > limit for start in (("EC-", "HV") if new else ("EC-884", "HV6")))
        assert new or max(map(rows.count, rows)) >= 7


def test_an_inventory_of_another_archive_is_told_as_that(editions):
    with OldArchive(given("ecc_studies", editions)) as other:
        verdict = judged("CompleteInventory", editions, lambda port, limit: harvested(other.port, 1000))
    assert "Did you ask at `port`?" in verdict.message, verdict


def test_a_client_that_cuts_the_ids_at_a_fixed_length_does_not_get_all(editions):
    def fixed(port, limit):
        scu, dates = Scu("HV_MOVER", "ECC_PACS", port), {}
        for start in ["HV", *(f"EC-{digit}" for digit in range(10)), *(f"EC-8{digit}" for digit in range(10))]:
            rows = scu.find("STUDY", PatientID=start + "*", StudyInstanceUID="", StudyDate="")
            dates |= {row.StudyInstanceUID: row.StudyDate for row in rows}
        return {"undated": list(dates.values()).count(""), "studies": list(dates)}

    assert judged("CompleteInventory", editions, fixed).outcome is Outcome.NOT_YET


def test_clients_that_do_not_get_there_are_told(editions):
    for wrong in (lambda port, limit: {"studies": [], "undated": 0}, lambda port, limit: [], lambda port: {}, lambda port, limit: 1 / 0,
                  lambda port, limit: {"undated": 8, "studies": Scu("HV_MOVER", "ECC_PACS", port).find(StudyInstanceUID="").values(
                      "StudyInstanceUID")}):
        verdict = judged("CompleteInventory", editions, wrong)
        assert verdict.outcome is Outcome.NOT_YET and len(verdict.message) > 20, verdict


@pytest.mark.parametrize(("client", "says"), [
    (lambda limit: ("EC-", "HV"), "never for less"), (lambda limit: None, "no query was answered"),
])
def test_clients_that_never_split_or_ask_at_another_level_are_told(editions, client, says):
    def asks(port, limit):
        scu, dates = Scu("HV_MOVER", "ECC_PACS", port), {}
        for start in client(limit) or ():
            rows = scu.find("STUDY", PatientID=start + "*", StudyInstanceUID="", StudyDate="")
            dates |= {row.StudyInstanceUID: row.StudyDate for row in rows}
        if client(limit) is None:
            assert scu.find("PATIENT", PatientID="").statuses != [0x0000]
        return {"studies": list(dates), "undated": list(dates.values()).count("")}

    assert says in judged("CompleteInventory", editions, asks).message


# --- the plan

@pytest.mark.parametrize("plan", [
    [{"studies": "booked", "days": 2}, {"studies": "newest"}], [{"studies": "BOOKED", "days": "30"}, {"Studies": "Newest"}],
    '[{"studies": "booked", "days": 14}, {"studies": "newest"}]',
    [{"studies": "booked", "days": 7}, {"studies": "newest", "years": 3}, {"studies": "newest"}],
    [{"studies": "booked", "days": 3}, {"studies": "newest", "years": 5}, {"studies": "oldest"}],
    ({"studies": "booked", "days": 7.0}, {"studies": "newest"}),
])
def test_other_plans_that_work_are_right(editions, plan):
    verdict = judged("OrderOfMigration", editions, plan)
    assert verdict.correct, verdict


@pytest.mark.parametrize(("plan", "says"), [
    ([{"studies": "booked", "days": 7}, {"studies": "newest", "years": 4}], "never moved"),
    ([{"studies": "newest"}], "nothing with it"), ([{"studies": "largest"}], "booked:"),
    ([{"studies": "booked", "days": 1}, {"studies": "newest"}], "Mondays"), ([{"studies": "booked"}], "needs `days`"),
    ([{"studies": "newest", "days": 3}], "goes with"), ([{"studies": "new"}], "`studies` of step 1"),
    ([{"order": "newest"}], "nobody knows"),
    ([{"studies": "newest", "modality": []}], "modality"), ([{"studies": "booked", "days": 0}], "whole number"), ([], "one to twelve"),
    ([{"studies": "booked", "days": 7, "years": 1}, {"studies": "newest"}], "of some years"),
    ([{"studies": "newest", "years": 2}, {"studies": "booked", "days": 7}, {"studies": "newest"}], "stands behind another"),
    ([{"studies": "patient id"}], "No step takes them first"),
    ([{"studies": "booked", "days": 2.5}, {"studies": "newest"}], "must be a whole number"), ([...], "untouched"),
    (["newest"], "no dictionary"),
    ({"studies": "oldest"}, "oldest first"), ([{"studies": "booked", "days": 7}, {"studies": "oldest"}], "*newest*"),
])
def test_plans_that_do_not_work_are_refused_with_what_comes_of_them(editions, plan, says):
    verdict = judged("OrderOfMigration", editions, plan)
    assert not verdict.correct and (says in verdict.message or says == "untouched" and verdict.outcome is Outcome.NOT_ANSWERED), verdict


def test_the_mover_of_the_notebook_refuses_a_plan_with_a_sentence(editions):
    replay = given("replay", editions)
    for plan in ([{"studies": "x"}], 5, None, [...]):
        with pytest.raises(CourseError, match="The mover does not take this plan"):
            replay.try_out(plan)
    assert "unbooked" in repr(replay.try_out({"studies": "newest"}))


@pytest.mark.parametrize("seed", range(10))
def test_the_replayed_year_tells_orders_apart_on_every_seed(seed):
    h = hospital(seed, "tiny")
    replay = lesson.input_of("replay", h)
    outcomes = {name: replay.try_out(plan).outcome for name, plan in {
        "best": [{"studies": "booked", "days": 7}, {"studies": "newest"}],
        "two days": [{"studies": "booked", "days": 2}, {"studies": "newest"}],
        "one day": [{"studies": "booked", "days": 1}, {"studies": "newest"}], "newest": [{"studies": "newest"}]}.items()}
    assert outcomes["best"]["priors"]["booked"] > 100 and outcomes["best"]["priors"]["unbooked"] > 80
    assert outcomes["best"]["booked"] <= 0.3 and outcomes["two days"]["booked"] <= 0.3
    assert outcomes["two days"]["unbooked"] <= outcomes["best"]["allowed"]
    assert outcomes["one day"]["booked"] > 0.8 and outcomes["one day"]["mondays"] and outcomes["newest"]["booked"] > 10
    assert not outcomes["best"]["left"]


# --- the rest

def test_ways_in_other_forms_are_right(editions):
    right = solved("WhatElse", editions)
    assert judged("WhatElse", editions, {thing: way.lower().replace("-", " ") for thing, way in right.items()}).correct
    assert judged("WhatElse", editions, [(thing, way) for thing, way in right.items()][::-1]).correct
    frame = given("things", editions).assign(way=lambda rows: [right[thing] for thing in rows.thing])
    assert judged("WhatElse", editions, frame[["thing", "way"]]).correct


def test_a_wrong_way_is_told_by_where_the_thing_is_kept(editions):
    right = solved("WhatElse", editions)
    thing = next(thing for thing, way in right.items() if way == "export")
    assert thing in judged("WhatElse", editions, {**right, thing: "HL7"}).message
    assert "the four ways are" in judged("WhatElse", editions, {**right, thing: "fax"}).message
    for answer in ({thing: "export"}, {}, "export", [thing]):
        assert judged("WhatElse", editions, answer).outcome is Outcome.NOT_YET


def test_each_wrong_way_of_a_thing_has_its_own_reason(editions):
    right, told = solved("WhatElse", editions), set()
    for thing, way in right.items():
        for other in ("C-MOVE", "HL7", "export", "nothing"):
            if other != way:
                message = judged("WhatElse", editions, {**right, thing: other.lower()}).message
                assert "one of the four ways is asked" not in message
                told.add(message)
    assert len(told) > 20
    reports = {**right, **{thing: "HL7" for thing in right if thing in ("reports", "copies fetched from HV_VNA",
                                                                                "images withdrawn as wrong patient")}}
    assert "whether HV_VNA has to get it at all" in judged("WhatElse", editions, reports).message


def test_inventories_in_other_forms_are_right(editions, tmp_path):
    made = solved("InventoryObject", editions)
    made.save_as(tmp_path / "inventory.dcm", enforce_file_format=True)
    assert judged("InventoryObject", editions, made).correct and judged("InventoryObject", editions, [made]).correct
    assert judged("InventoryObject", editions, tmp_path / "inventory.dcm").correct
    assert judged("InventoryObject", editions, (tmp_path / "inventory.dcm").read_bytes()).correct
    other = copy.deepcopy(made)
    other.InventoriedStudiesSequence = list(other.InventoriedStudiesSequence)[::-1]
    other.InventoryInstanceDescription = "all of it"
    for item in other.InventoriedStudiesSequence:
        item.PatientName = "TESTER^T"
    assert judged("InventoryObject", editions, other).correct                    # optional attributes, another order
    for item, more in zip(other.InventoriedStudiesSequence, ("+0200", ".000000", ".0+0200", "", "+0200", "")):
        item.ItemInventoryDateTime += more                                       # the same moment
    assert judged("InventoryObject", editions, other).correct
    first = other.InventoriedStudiesSequence[0]
    hour = int(str(first.ItemInventoryDateTime)[8:10])
    first.ItemInventoryDateTime = f"20250407{hour - 2:02d}{str(first.ItemInventoryDateTime)[10:14]}+0000"
    assert judged("InventoryObject", editions, other).correct
    first.ItemInventoryDateTime = str(first.ItemInventoryDateTime).replace("+0000", "+0100")
    assert "Item Inventory DateTime" in judged("InventoryObject", editions, other).message
    other = copy.deepcopy(made)
    other.ScopeOfInventorySequence = [Dataset()]                                 # all studies as well: PS3.3 C.38.2
    assert judged("InventoryObject", editions, other).correct


@pytest.mark.parametrize(("change", "says"), [
    (lambda ds: setattr(ds, "InventoryLevel", "SERIES"), "looks for series"),
    (lambda ds: setattr(ds, "InventoryLevel", "PATIENT"), "one of STUDY, SERIES and INSTANCE"),
    (lambda ds: setattr(ds, "TotalNumberOfStudyRecords", 5), "Total Number"),
    (lambda ds: setattr(ds, "NumberOfStudyRecordsInInstance", 6.0), "decimal point"),
    (lambda ds: [setattr(one, "IssuerOfPatientID", "ECC") for one in ds.InventoriedStudiesSequence], "whose number it is"),
    (lambda ds: ds.InventoriedStudiesSequence[0].__setitem__("ItemInventoryDateTime", DataElement(
        "ItemInventoryDateTime", "DT", "2025-04-07 12:00:16", validation_mode=config.IGNORE)), "YYYYMMDDHHMMSS"),
    (lambda ds: setattr(ds, "InventoriedStudiesSequence", [ds.InventoriedStudiesSequence[0]] * 6), "one inside the loop"),
    (lambda ds: setattr(ds, "Modality", "OT"), "left over from `example`"),
    (lambda ds: setattr(ds, "OtherPatientIDsSequence", [Dataset()]), "Other Patient IDs Sequence (0010,1002) stands at the top"),
    (lambda ds: setattr(ds, "PatientID", "EC-21061"), "no patient"), (lambda ds: setattr(ds, "StudyInstanceUID", "1.2.3"), "at the top"),
    (lambda ds: delattr(ds, "ScopeOfInventorySequence"), "missing"),
    (lambda ds: setattr(ds, "NumberOfStudyRecordsInInstance", 5), "Number of Study Records"),
    (lambda ds: delattr(ds, "ContentDate"), "Content Date"),
    (lambda ds: ds.InventoriedStudiesSequence.append(ds.InventoriedStudiesSequence[0]), "two records"),
    (lambda ds: delattr(ds.InventoriedStudiesSequence[0], "StudyDate"), "missing"),
    (lambda ds: delattr(ds.InventoriedStudiesSequence[0], "StudyInstanceUID"), "no Study Instance UID"),
    (lambda ds: setattr(ds, "InventoriedStudiesSequence", []), "missing"),
    (lambda ds: delattr(ds, "SOPInstanceUID"), "SOP Instance UID (0008,0018)"),
    (lambda ds: setattr(ds, "SOPInstanceUID", "2.999.5"), "SOP Instance UID (0008,0018)"),
    (lambda ds: setattr(ds.file_meta, "MediaStorageSOPClassUID", "1.2.840.10008.5.1.4.1.1.2"), "Media Storage SOP Class"),
    (lambda ds: setattr(ds.file_meta, "MediaStorageSOPInstanceUID", "2.999.5"), "Media Storage SOP Instance"),
    (lambda ds: delattr(ds, "SpecificCharacterSet"), "Specific Character Set"), (lambda ds: delattr(ds, "Manufacturer"), "Manufacturer"),
    (lambda ds: delattr(ds, "InventoryPurpose"), "Inventory Purpose"),
    (lambda ds: setattr(ds, "InventoryPurpose", "hello"), "Inventory Purpose"),
    (lambda ds: setattr(ds, "InventoryCompletionStatus", "COMPLETE"), "sets it last"),
    (lambda ds: setattr(ds, "NumberOfStudyRecordsInInstance", "6"), "in quotes"), (lambda ds: delattr(ds, "file_meta"), "copy of `blank`"),
])
def test_inventories_that_are_not_right_are_told_by_the_part(editions, change, says):
    made = copy.deepcopy(solved("InventoryObject", editions))
    change(made)
    verdict = judged("InventoryObject", editions, made)
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


@pytest.mark.parametrize(("column", "says"), [("patient_id", "each patient"), ("accession", "each accession number"),
                                              ("asked", "each time of asking")])
def test_one_record_for_anything_but_a_study_loses_one(editions, column, says):
    records, whole = given("records", editions), solved("InventoryObject", editions)
    kept, made = set(records.drop_duplicates(column).study_uid), copy.deepcopy(whole)
    made.InventoriedStudiesSequence = [one for one in whole.InventoriedStudiesSequence if one.StudyInstanceUID in kept]
    made.NumberOfStudyRecordsInInstance = made.TotalNumberOfStudyRecords = len(kept)
    assert says in judged("InventoryObject", editions, made).message
    made.NumberOfStudyRecordsInInstance = 6
    assert "is missing" in judged("InventoryObject", editions, made).message


def test_a_scope_with_keys_is_told_by_what_it_has(editions):
    made, by_patient = copy.deepcopy(solved("InventoryObject", editions)), Dataset()
    by_patient.PatientID = "*"
    made.ScopeOfInventorySequence = [by_patient]
    message = judged("InventoryObject", editions, made).message
    assert "a key" in message and "dates" not in message
    whenever = Dataset()
    whenever.StudyDate = ""                                                       # universal matching: no range of dates
    made.ScopeOfInventorySequence = [whenever]
    message = judged("InventoryObject", editions, made).message
    assert "a key" in message and "dates" not in message


def test_the_level_is_written_in_capitals(editions):
    made = copy.deepcopy(solved("InventoryObject", editions))
    with pytest.warns(UserWarning):
        made.InventoryLevel = "study"
    assert "upper-case" in judged("InventoryObject", editions, made).message


def test_the_inventory_keeps_what_the_standard_fixes(editions):
    made = solved("InventoryObject", editions)
    began = made.ContentDate + made.ContentTime
    assert all(one.ItemInventoryDateTime >= began for one in made.InventoriedStudiesSequence)       # PS3.3 C.38.1
    assert made["TotalNumberOfStudyRecords"].VR == "UV" and made["NumberOfStudyRecordsInInstance"].VR == "UL"
    assert len(inventory_parts([made])) == 7


@pytest.mark.skipif(not shutil.which("dcmdump"), reason="DCMTK is not installed")
def test_another_library_reads_the_inventory(editions, tmp_path):
    solved("InventoryObject", editions).save_as(tmp_path / "inventory.dcm", enforce_file_format=True)
    told = subprocess.run(["dcmdump", "-q", str(tmp_path / "inventory.dcm")], capture_output=True, text=True, check=True).stdout
    assert told.count("(0008,0404) DT") == 6 and "(0008,0423) SQ" in told


@pytest.mark.parametrize("seed", range(6))
def test_the_data_on_every_seed(seed):
    h = hospital(seed, "tiny")
    own = lesson.input_of("own_sample", h)
    assert len(own) == 300 and 3 <= own.differs.sum() <= 40
    days = sorted(way(lesson.input_of("sheet", h))["days"] for way in (HowLong.solution, *HowLong.by_days))
    assert all(later - earlier > 3.2 for earlier, later in zip(days, days[1:]))
    hours = HowLong.solution(lesson.input_of("sheet", h))
    assert hours["network_hours"] < hours["target_hours"] < hours["source_hours"] and 200 < hours["days"] < 700
    rows = lesson.input_of("records", h)
    assert rows.study_uid.nunique() == 6 < len(rows) and (rows.study_date == "").any() and {"HVGH", "ECC"} == set(rows.issuer)
    studies = lesson.input_of("ecc_studies", h)
    who = lesson.input_of("undated_patient", h)
    assert [one.date for one in studies if one.patient == who] == [""]
    small = [one for one in studies if one.patient.startswith("EC") and one.date and sum(count for _, count in one.series) < 9]
    assert len(small) >= 2                                                                                  # the notebook moves two
    things = lesson.input_of("things", h)
    assert EXERCISES["WhatElse"].computed(EXERCISES["WhatElse"].solution, h) == {thing: THINGS[thing][1] for thing in things.thing}
    assert len(things) == 11


def test_steps_are_read():
    assert steps_of({"studies": "Patient_ID", "modality": "ct, MR"}) == [("patient id", 1, 200, ("CT", "MR"))]
