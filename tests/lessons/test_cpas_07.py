"""cpas-07: right answers in other forms are right, plausible wrong ones are not."""

import copy
import io
import random

import pytest

from coursekit import lessons
from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.errors import CourseError
from coursekit.hospital import hospital
from coursekit.hospital.exceptions import queue
from coursekit.lessons import cpas_07_broken_studies as module

LESSON = lessons.load("cpas-07")
LETTER = {kind: letter for letter, (kind, _) in module.CLASSES.items()}


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(5, "tiny"), lambda: [hospital(201, "tiny")])


@pytest.fixture
def check(editions):
    def ask(name, *answer):
        exercise = next(one for one in LESSON.exercises if one.name == name)
        return exercise.judge(answer, editions)
    return ask


@pytest.fixture
def given(editions):
    """The inputs as a learner has them: copies."""
    return lambda name: copy.deepcopy(LESSON.input_of(name, editions.own))


def solved(name, editions):
    exercise = next(one for one in LESSON.exercises if one.name == name)
    return copy.deepcopy(exercise.computed(exercise.solution, editions.own))


@pytest.mark.parametrize("seed", (0, *range(1, 40)))
def test_the_program_that_triages_sees_what_was_planted(seed):
    h = hospital(seed, "tiny") if seed else hospital()
    assert module.TheQueue.solution(queue(h)) == {case.number: LETTER[case.kind] for case in queue(h)}


def test_the_cases_do_not_give_themselves_away(given):
    assert all(set(case._fields) == {"number", "dossier"} for case in given("cases"))
    assert not any("A1-" in case.dossier for case in given("cases"))


def test_triage_in_other_forms(check, editions):
    right = solved("TheQueue", editions)
    for form in (right, list(right.items()), [right[n] for n in sorted(right)], {str(n): letter.lower() for n, letter in right.items()},
                 {f"case {n}": letter + "." for n, letter in right.items()}):
        assert check("TheQueue", form).correct
    one = dict(right)
    first = min(one)
    one[first] = "A" if one[first] != "A" else "B"
    assert check("TheQueue", one).outcome is Outcome.NOT_YET and f"case {first}" in check("TheQueue", one).message.casefold()
    assert "is missing" in check("TheQueue", {n: l for n, l in right.items() if n != first}).message
    assert "still open" in check("TheQueue", {**right, first: ...}).message
    assert "A to N" in check("TheQueue", {**right, first: "Z"}).message


def test_match_takes_none_and_other_programs(check):
    def shorter(study, orders):
        found = [order["accession"] for order in orders
                 if sum(study[key] == order[key] for key in ("patient_id", "name", "birth_date")) > 1
                 and (study["modality"], study["station"]) == (order["modality"], order["station"])
                 and -60 <= study["started"] - order["started"] <= 60]
        if len(found) == 1:
            return found[0]

    assert check("Match", shorter).correct
    assert check("Match", lambda study, orders: shorter(study, orders) or "None").correct

    def in_half_an_hour(study, orders):
        return shorter(study, [order for order in orders if abs(order["started"] - study["started"]) <= 30])

    def below_sixty(study, orders):
        return shorter(study, [order for order in orders if abs(order["started"] - study["started"]) < 60])

    def any_station(study, orders):
        return shorter(study, [{**order, "station": study["station"]} for order in orders])

    def any_modality(study, orders):
        return shorter(study, [{**order, "modality": study["modality"]} for order in orders])

    def name_alone(study, orders):
        return shorter(study, [{**order, "birth_date": study["birth_date"]} for order in orders])

    for wrong in (in_half_an_hour, below_sixty, any_station, any_modality, name_alone):
        assert not check("Match", wrong).correct, wrong.__name__
    assert check("Match", below_sixty).label == "just_below_an_hour"
    assert check("Match", any_station).label == "any_station" and check("Match", any_modality).label == "any_modality"

    def family_alone(study, orders):
        return shorter({**study, "name": study["name"].split("^")[0]}, [{**one, "name": one["name"].split("^")[0]} for one in orders])

    assert check("Match", family_alone).label == "family_name_alone"
    assert "Is a `return` missing?" in check("Match", lambda study, orders: print(shorter(study, orders))).message
    assert "the one member" in check("Match", lambda study, orders: [order["accession"] for order in orders]).message
    verdict = check("Match", in_half_an_hour)
    assert "match(*cpas07.q2.failed)" in verdict.message
    exercise = next(one for one in LESSON.exercises if one.name == "Match")
    assert len(exercise.failed) == 2 and exercise.failed[0]["patient_id"]


def test_a_plan_says_which_uid(check, editions):
    right = solved("PlanForCase17", editions)
    assert check("PlanForCase17", right).correct
    assert check("PlanForCase17", {**right, "reason": "correct", "sop_uids": "Keep"}).correct
    assert "the UID itself is asked here" in check("PlanForCase17", {**right, "study_uid": "keep"}).message
    assert not check("PlanForCase17", {**right, "patient_id": right["patient_id"].replace("0", "O", 1)}).correct
    for word in ("Keep.", "keep them", "unchanged"):
        assert check("PlanForCase17", {**right, "sop_uids": word, "study_time": word}).correct, word
    for word in ("don't keep", "not changed", "keep or change", "maybe"):
        assert not check("PlanForCase17", {**right, "study_time": word}).correct, word
    assert check("PlanForCase17", {**right, "study_time": "change it"}).label == "time_put_right"


def test_corrected_objects_in_other_forms(check, editions, tmp_path):
    right = solved("CorrectedObjects", editions)
    assert check("CorrectedObjects", right[::-1]).correct and check("CorrectedObjects", tuple(right)).correct
    for number, ds in enumerate(right):
        ds.save_as(tmp_path / f"{number}.dcm", enforce_file_format=True)
    assert check("CorrectedObjects", tmp_path).correct
    for ds in right:                                             # also noted who numbered it
        ds.IssuerOfPatientID = ds.OriginalAttributesSequence[0].ModifiedAttributesSequence[0].IssuerOfPatientID = "HVGH"
        ds.OriginalAttributesSequence[0].SourceOfPreviousValues = ""
    assert check("CorrectedObjects", right).correct
    for keyword, name in (("PatientBirthDate", "Patient's Birth Date"), ("StudyInstanceUID", "Study Instance UID")):
        trace = right[1].OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
        setattr(trace, keyword, right[1].get(keyword))           # what stayed was not modified
        told = check("CorrectedObjects", right)
        assert told.label == "unreadable" and name in told.message and told.message.startswith("The trace in ")
        delattr(trace, keyword)
    right[0].OriginalAttributesSequence[0].ModifiedAttributesSequence[0].StudyInstanceUID = "2.999.1"
    assert "Study Instance UID" in check("CorrectedObjects", right).message
    del right[0].OriginalAttributesSequence[0].ModifiedAttributesSequence[0].StudyInstanceUID
    right[0].StudyDate = "20250331"
    assert "Study Date" in check("CorrectedObjects", right).message
    del right[1].OriginalAttributesSequence[0].ModifyingSystem
    right[0] = solved("CorrectedObjects", editions)[0]
    assert "Modifying System" in check("CorrectedObjects", right).message


def test_objects_that_are_not_corrected_are_told(check, editions, given):
    files = given("case_files")
    for form in (files, copy.deepcopy(files), tuple(files)):
        assert check("CorrectedObjects", form).label == "untouched"
    half = solved("CorrectedObjects", editions)
    for ds in half:
        ds.AccessionNumber = ""
    assert "Accession Number (0008,0050) is still what the scanner wrote" in check("CorrectedObjects", half).message
    without = solved("CorrectedObjects", editions)
    for ds, was in zip(without, files):
        ds.PatientName = was.PatientName
        del ds.OriginalAttributesSequence
    assert "values are right" not in check("CorrectedObjects", without).message
    new = solved("CorrectedObjects", editions)
    for number, ds in enumerate(new):
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"2.999.9.{number}"
    assert check("CorrectedObjects", new).label == "new_uids"
    assert check("CorrectedObjects", new[:1]).message == "The object with Instance Number 12 is missing."


def test_the_evidence_is_an_accession_number(check, editions):
    letter, number = solved("WhatToDo", editions)
    assert check("WhatToDo", letter, number.lower()).correct
    assert "that is a patient ID" in check("WhatToDo", letter, "HV123456").message
    for form in (f"order {number}", f"{number} (SCHEDULED)", f"the order {number}, SCHEDULED", f"accession number: {number}"):
        assert check("WhatToDo", letter, form).correct, form
    assert not check("WhatToDo", letter, f"order {number}9").correct


def test_orders_that_fit_in_part_are_told(check, editions):
    assert check("Match", module.Match.modality_or_station).label == "modality_or_station"
    assert check("Match", module.Match.nearest_of_several).label == "nearest_of_several"

    def return_in_the_loop(study, orders):
        for order in orders:
            agree = sum(study[key] == order[key] for key in ("patient_id", "name", "birth_date"))
            if (agree >= 2 and study["modality"] == order["modality"] and study["station"] == order["station"]
                    and abs(study["started"] - order["started"]) <= 60):
                return order["accession"]
            return None

    assert check("Match", return_in_the_loop).label == "first_order_alone"


def test_missing_objects_in_other_forms(check, editions, given):
    right = solved("MissingObjects", editions)
    listed = given("listed")
    by_series = {series: [uid for uid in uids if uid in right] for series, uids in listed.items()}
    for form in (set(right), ", ".join(right), right + right, {series: uids for series, uids in by_series.items() if uids}):
        assert check("MissingObjects", form).correct
    assert not check("MissingObjects", right[:-1]).correct if len(right) > 1 else True
    assert not check("MissingObjects", len(right)).correct


def test_the_copies_are_put_right_whole(given):
    facts = given("examined")
    for old, new in zip(given("hand_files"), given("corrected_copies"), strict=True):
        assert (new.PatientID, new.AccessionNumber, new.StudyDescription) == (facts["patient_id"], facts["accession"], "XR HAND")
        assert {old.SOPInstanceUID, old.SeriesInstanceUID, old.StudyInstanceUID}.isdisjoint(
            {new.SOPInstanceUID, new.SeriesInstanceUID, new.StudyInstanceUID})
        before = new.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
        assert before.PatientID == old.PatientID and before.AccessionNumber == old.AccessionNumber


def test_the_side_of_the_picture_is_the_archive_s(given):
    for seed in (0, 1, 2, 3):
        h = hospital(seed, "tiny") if seed else hospital()
        sides = {row[0] for row in h.pacs.rows(
            f"SELECT laterality FROM series WHERE study_pk = {LESSON.input_of('examined', h)['study_pk']} AND modality = 'DX'")[1]}
        assert sides == {h.image("dx_hand").ImageLaterality}


def test_rejection_notes(check, given):
    note, hands, copies = given("note"), given("hand_files"), given("corrected_copies")
    right = note("113038", "Incorrect Modality Worklist Entry", hands)
    assert check("RejectionNote", right).correct and check("RejectionNote", [right]).correct
    file = io.BytesIO()
    right.save_as(file, enforce_file_format=True)
    assert check("RejectionNote", file.getvalue()).correct
    assert check("RejectionNote", note(113038, "incorrect modality worklist entry", hands[::-1])).correct
    if len(hands) > 1:
        assert "some of the wrong objects" in check("RejectionNote", note("113038", "Incorrect Modality Worklist Entry", hands[:1])).message
    assert "values for `note`" in check("RejectionNote", ("113038", "Incorrect Modality Worklist Entry", hands)).message
    with pytest.raises(CourseError, match="three values"):
        note("113038")
    assert check("RejectionNote", note("113038", "Incorrect Modality Worklist Entry", hands + copies)).label == "both"
    assert "no key object selection" in check("RejectionNote", hands[0]).message
    for wrong in (("113038", "Rejected for Patient Safety Reasons", hands), ("1", "x", hands), ("113038", "Incorrect Modality Worklist Entry", [])):
        with pytest.raises(CourseError):
            note(*wrong)
    with pytest.raises(CourseError):
        note("113038", "Incorrect Modality Worklist Entry", "2.999.1")


def test_living_in_other_ways(check):
    def recursive(patient_id, merges):
        step = {merge["prior"]: merge["surviving"] for merge in merges}
        return recursive(step[patient_id], merges) if patient_id in step else patient_id

    def three_times(patient_id, merges):
        for _ in range(3):
            for merge in merges:
                if merge["prior"] == patient_id:
                    patient_id = merge["surviving"]
        return patient_id

    assert check("LivingRecord", recursive).correct
    assert not check("LivingRecord", three_times).correct
    assert check("LivingRecord", module.LivingRecord.once_by_time).label == "once_by_time"


def test_the_database_in_other_ways(check, editions, given):
    right, uid = given("right"), str(given("case_files")[0].StudyInstanceUID)
    key = editions.own.truth["case_17"]["patient_pk"]
    by_key = f"""
        begin;
        update patient set merged_into = {key} where pid = '{right["temporary_id"]}';  -- the merge; first
        update orders set status = 'COMPLETED', patient_pk = {key} where accession = '{right["accession"]}';
        update study set status = 'VERIFIED', issuer_pk = '1', patient_pk = {key}, accession = '{right["accession"]}' where study_uid = '{uid}';
        commit"""
    assert check("TheDatabase", by_key).correct
    order = f"where accession = '{right['accession']}'"
    uid_too = by_key.replace(f"patient_pk = {key} {order}", f"patient_pk = {key}, study_uid = '{uid}' {order}")
    assert uid_too != by_key and check("TheDatabase", uid_too).correct
    assert check("TheDatabase", uid_too.replace(f"study_uid = '{uid}' {order}", f"study_uid = '2.999.1' {order}")).label == "value"
    typed = f"; update patient set merged_into = {key} where pid = '{given('case_files')[0].PatientID}'; commit"
    assert check("TheDatabase", by_key.replace("commit", typed)).label == "typed_one_too"
    assert check("TheDatabase", by_key.replace(f"issuer_pk = '1', patient_pk = {key},", f"issuer_pk = '1', patient_pk = {key} and")
                 ).label == "and_for_comma"
    assert "other letters" in check("TheDatabase", by_key.replace("'VERIFIED'", "'verified'")).message
    empty = check("TheDatabase", by_key.replace(f"where study_uid = '{uid}'", "where accession = ''"))
    assert empty.label == "no_row" and "Statement 3" in empty.message and "IS NULL" in empty.message
    assert "semicolon" in check("TheDatabase", by_key.replace(f"{order};", order)).message
    assert "went missing" in check("TheDatabase", by_key.replace("begin", f"DELETE FROM patient WHERE pid = '{right['temporary_id']}'")).message
    assert "ORDER is a word of SQL" in check("TheDatabase", "UPDATE order SET status = 'COMPLETED'").message
    assert "nothing was changed" in check("TheDatabase", by_key.replace("commit", "UPDATE study SET nothing = 1")).message
    assert "correct with UPDATE" in check("TheDatabase", "DROP TABLE study").message
    assert check("TheDatabase", "UPDATE study SET status = 'READ'").label == "value"
    assert check("TheDatabase", "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n").outcome is Outcome.NOT_YET


def test_the_desk_changes_nothing_for_others(given):
    desk = given("desk")
    desk.run("UPDATE study SET status = 'READ'")
    assert set(desk.sql("SELECT DISTINCT status FROM study")["status"]) == {"READ"}
    assert len(given("desk").sql("SELECT DISTINCT status FROM study")) > 1
    desk.fresh()
    assert len(desk.sql("SELECT DISTINCT status FROM study")) > 1
    with pytest.raises(CourseError):
        desk.run("UPDATE study SET nothing = 1")


def test_cases_of_match_hold_every_trap():
    cases = module.Match.cases(random.Random("x"))
    answers = [module.Match.solution(*case) for case in cases]
    assert 0.25 < sum(answer is None for answer in answers) / len(answers) < 0.75
