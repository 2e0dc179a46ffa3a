"""What learners give in lesson ciip-02 beyond the solutions and wrong ways, and the data that they are asked about."""

import copy
import datetime
import random
import shutil
import subprocess

import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.errors import CourseError
from coursekit.hospital import hospital
from coursekit.lessons.ciip_02_migration import THINGS, HowLong, inventory_parts, lesson, steps_of, surviving, upper_bound
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
])
def test_wrong_counts_are_refused_and_told_by_their_entry(editions, entry, change, says):
    right = solved("Reconcile", editions)
    verdict = judged("Reconcile", editions, {**right, entry: change(right)})
    assert verdict.outcome is Outcome.NOT_YET and (says in verdict.message or entry in verdict.message), verdict


def test_every_legitimate_limit_is_right(editions):
    right, vendor, own = solved("SampleSays", editions), given("vendor_sample", editions), given("own_sample", editions)
    n, k = len(own), int(own.differs.sum())
    z = 1.645
    share = k / n
    wilson = (share + z * z / (2 * n) + z * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5) / (1 + z * z / n)
    for change in ({"vendor_at_most": 100 * (1 - 0.05 ** (1 / len(vendor)))}, {"needed": 2995}, {"needed": "3,000"},
                   {"own_at_most": 100 * wilson},
                   {"vendor_at_most": f"{right['vendor_at_most']:.2f} %"}, {"not_covered": round(right["not_covered"], 1)},
                   {"own_at_most": round(right["own_at_most"], 1)}):
        assert judged("SampleSays", editions, {**right, **change}).correct, change


@pytest.mark.parametrize(("change", "says"), [
    ({"vendor_at_most": 0}, "No wrong one"), ({"needed": 4605}, "needed"), ({"needed": 1000}, "*one* wrong one"),
    ({"needed": 1961}, "needed"),
    ({"not_covered": 0}, "not_covered"), ({"own_at_most": 0.1}, "own_at_most"), ({"own_at_most": 0}, "own_at_most"),
])
def test_what_a_sample_does_not_prove(editions, change, says):
    verdict = judged("SampleSays", editions, {**solved("SampleSays", editions), **change})
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def test_a_fraction_for_per_cent_is_told_as_that_and_not_as_zero(editions):
    right = solved("SampleSays", editions)
    assert "a fraction" in judged("SampleSays", editions, {**right, "vendor_at_most": right["vendor_at_most"] / 100}).message


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


# --- functions

def test_other_programs_that_decide_alike_are_right(editions):
    def table_of_rules(study, patients, orders):
        now = surviving(study["patient_id"], patients)
        same = [number for number, one in orders.items() if surviving(one["patient_id"], patients) == now
                and (one["date"], one["modality"]) == (study["date"], study["modality"])]
        number = study["accession"] if study["accession"] in orders else same[0] if len(same) == 1 else None
        if not study["objects"] or study["withdrawn"] or study["patient_id"][:2] == "ZZ":
            return "Leave"
        if now is None or patients[now]["birth_date"] != study["birth_date"] or number is None \
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
        return {"studies": ", ".join(row.StudyInstanceUID for row in rows),
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
        for start in ["HV", *(f"EC-{digit}" for digit in range(10)), *(f"EC-8{digit}" for digit in range(10)),
                      *(f"EC-88{digit}" for digit in range(10))]:
            rows = scu.find("STUDY", PatientID=start + "*", StudyInstanceUID="", StudyDate="")
            dates |= {row.StudyInstanceUID: row.StudyDate for row in rows}
        return {"undated": list(dates.values()).count(""), "studies": set(dates)}

    assert judged("CompleteInventory", editions, recursive).correct
    assert judged("CompleteInventory", editions, by_dates_and_then_by_patients).correct


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
    ([{"studies": "newest", "days": 3}], "goes with"), ([{"studies": "new"}], "`studies` of step 1"), ([{"order": "newest"}], "nobody "
    "knows"),
    ([{"studies": "newest", "modality": []}], "modality"), ([{"studies": "booked", "days": 0}], "whole number"), ([], "one to twelve"),
    ([{"studies": "booked", "days": 2.5}, {"studies": "newest"}], "whole number"), ([...], "untouched"), (["newest"], "no dictionary"),
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


@pytest.mark.parametrize(("change", "says"), [
    (lambda ds: setattr(ds, "InventoryLevel", "SERIES"), "Inventory Level"),
    (lambda ds: delattr(ds, "ScopeOfInventorySequence"), "missing"),
    (lambda ds: setattr(ds, "NumberOfStudyRecordsInInstance", 5), "Number of Study Records"),
    (lambda ds: delattr(ds, "ContentDate"), "Content Date"),
    (lambda ds: ds.InventoriedStudiesSequence.append(ds.InventoriedStudiesSequence[0]), "two records"),
    (lambda ds: delattr(ds.InventoriedStudiesSequence[0], "StudyDate"), "missing"),
    (lambda ds: delattr(ds.InventoriedStudiesSequence[0], "StudyInstanceUID"), "no Study Instance UID"),
    (lambda ds: setattr(ds, "InventoriedStudiesSequence", []), "missing"),
])
def test_inventories_that_are_not_right_are_told_by_the_part(editions, change, says):
    made = copy.deepcopy(solved("InventoryObject", editions))
    change(made)
    verdict = judged("InventoryObject", editions, made)
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


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
