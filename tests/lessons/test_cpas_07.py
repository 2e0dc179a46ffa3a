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
                 if sum(study[key] == order[key] != "" for key in ("patient_id", "name", "birth_date")) > 1
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
    assert "60 minutes" in check("Match", below_sixty).message
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
    assert "character by character" in check("PlanForCase17", {**right, "accession": right["accession"][:-1] + "x"}).message
    assert "two codes" in check("PlanForCase17", {**right, "reason": "CORRECTED"}).message


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
    right[0].TimezoneOffsetFromUTC = "+0100"
    assert "your plan does not add it" in check("CorrectedObjects", right).message
    del right[0].TimezoneOffsetFromUTC
    right[0].StudyDate = "20250331"
    assert "Study Date" in check("CorrectedObjects", right).message
    del right[1].OriginalAttributesSequence[0].ModifyingSystem
    right[0] = solved("CorrectedObjects", editions)[0]
    assert "Modifying System" in check("CorrectedObjects", right).message


def test_one_item_is_asked(check, editions):
    several = solved("CorrectedObjects", editions)
    for ds in several:
        ds.OriginalAttributesSequence = [*ds.OriginalAttributesSequence, *copy.deepcopy(ds.OriginalAttributesSequence)]
    assert "0561) has more than one item" in check("CorrectedObjects", several).message
    several = solved("CorrectedObjects", editions)
    for ds in several:
        trace = ds.OriginalAttributesSequence[0]
        trace.ModifiedAttributesSequence = [*trace.ModifiedAttributesSequence, *copy.deepcopy(trace.ModifiedAttributesSequence)]
    assert "0550) has more than one item" in check("CorrectedObjects", several).message


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

    assert check("Match", return_in_the_loop).label == "first_order_alone"      # and it forgets that empty values agree with nothing


def fitting(study, orders, agree=None, alike=lambda key, one, other: one == other != "", minutes=60):
    """Accession numbers of the orders that fit a study, with this idea of what agrees."""
    return [order["accession"] for order in orders
            if sum(alike(key, study[key], order[key]) for key in ("patient_id", "name", "birth_date")) in (agree or (2, 3))
            and (study["modality"], study["station"]) == (order["modality"], order["station"])
            and abs(study["started"] - order["started"]) <= minutes]


def matching(**idea):
    def match(study, orders):
        found = fitting(study, orders, **idea)
        return found[0] if len(found) == 1 else None
    return match


def of(key, idea):
    """What agrees, with another idea of one of the three."""
    return lambda other, a, b: "" not in (a, b) and (idea(a, b) if other == key else a == b)


@pytest.mark.parametrize("alike", (
    of("name", lambda a, b: a.split("^")[:2] == b.split("^")[:2]),
    of("name", lambda a, b: a.startswith(b)), of("name", lambda a, b: b.startswith(a)),
    of("name", lambda a, b: a.split("^")[1:] == b.split("^")[1:]), of("name", lambda a, b: sorted(a.split("^")) == sorted(b.split("^"))),
    of("birth_date", lambda a, b: a[:7] == b[:7]), of("birth_date", lambda a, b: a[5:] == b[5:]), of("birth_date", lambda a, b: a[:4] == b[:4]),
    of("birth_date", lambda a, b: sorted(a) == sorted(b)), of("patient_id", lambda a, b: a[2:] == b[2:])))
def test_what_agrees_in_part_does_not_agree(check, alike):
    assert check("Match", matching()).correct
    verdict = check("Match", matching(alike=alike))
    assert verdict.label == "value" and "agrees with the study in" in verdict.message and "minutes" in verdict.message


def test_of_several_orders_none_is_taken(check):
    def better(study, orders):
        full, two = fitting(study, orders, agree=(3,)), fitting(study, orders)
        return full[0] if len(full) == 1 else two[0] if len(two) == 1 else None

    def taken_turns(study, orders):
        found = None
        for accession in fitting(study, orders):
            found = accession if found is None else None
        return found

    def last(study, orders):
        return (fitting(study, orders) or [None])[-1]

    assert check("Match", better).label == "best_of_several"
    assert "3 of these orders fit" in check("Match", taken_turns).message
    assert "of these orders fit" in check("Match", last).message
    assert not check("Match", lambda study, orders: matching()({**study, "modality": study["modality"][0]},
                                                               [{**one, "modality": one["modality"][0]} for one in orders])).correct


def test_what_is_empty_agrees_with_nothing(check):
    assert check("Match", matching(alike=lambda key, a, b: a == b)).label == "empty_agrees"
    for key in ("patient_id", "name", "birth_date"):
        assert not check("Match", matching(alike=lambda one, a, b: a == b and (one == key or a != ""))).correct, key

    def gives_up(study, orders):
        return None if "" in study.values() else matching()(study, orders)

    assert not check("Match", gives_up).correct

    def counted_on(study, orders):
        agree, found = 0, []
        for order in orders:
            for key in ("patient_id", "name", "birth_date"):
                if study[key] == order[key]:
                    agree += 1
            if (agree >= 2 and study["modality"] == order["modality"] and study["station"] == order["station"]
                    and abs(study["started"] - order["started"]) <= 60):
                found.append(order["accession"])
        return found[0] if len(found) == 1 else None

    assert check("Match", counted_on).label == "counted_on"


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
        assert before.SOPInstanceUID == old.SOPInstanceUID and before.StudyInstanceUID == old.StudyInstanceUID    # the way back
        assert [round(side * spacing) for side, spacing in zip((old.Rows, old.Columns), old.ImagerPixelSpacing)] == [246, 179]


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
    twice = check("RejectionNote", note("113038", "Incorrect Modality Worklist Entry", [*hands, hands[0]])).message
    assert "an object twice" in twice
    others = check("RejectionNote", note("113038", "Incorrect Modality Worklist Entry", given("case_files"))).message
    assert "none of those that are" in others
    if len(hands) > 1:
        mixed = check("RejectionNote", note("113038", "Incorrect Modality Worklist Entry", [hands[0], copies[1]])).message
        assert "some of those that are" in mixed
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

    def five_steps(patient_id, merges):
        step = {merge["prior"]: merge["surviving"] for merge in merges}
        for _ in range(5):
            patient_id = step.get(patient_id, patient_id)
        return patient_id

    assert not check("LivingRecord", five_steps).correct
    assert "upper and lower case" in check("LivingRecord", lambda *case: recursive(*case).lower()).message


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


def test_sql_asks_and_run_changes(given, capsys):
    desk = given("desk")
    before = desk.sql("SELECT * FROM study")
    key = int(before["pk"][0])
    for text in (f"UPDATE study SET status = 'X' WHERE pk = {key}", "DELETE FROM study", "INSERT INTO study VALUES (1, 1, '', '', 1, '')",
                 "DROP TABLE study", "BEGIN", "COMMIT", f"UPDATE study SET status = 'X' WHERE pk = {key} RETURNING pk",
                 "PRAGMA user_version = 7"):
        with pytest.raises(CourseError, match=r"only asks, and nothing was changed.*desk\.run") as told:
            desk.sql(text)
        assert str(told.value).count("\n") == 0
        assert desk.sql("SELECT * FROM study").equals(before)
    for text, word in (("SELECT nowhere FROM study", "no such column"), ("SELECT * FROM study WHERE status = \u2019READ\u2019", "curved"),
                       ("", "SELECT"), (7, "text"), ("SELECT 1; SELECT 2", "one statement"), ("SELECT * FROM order", "ORDER is a word")):
        with pytest.raises(CourseError, match=word):
            desk.sql(text)
    assert list(desk.sql("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3) SELECT x FROM n")["x"]) == [1, 2, 3]
    desk.run("SELECT * FROM study")
    assert "0 rows" not in (said := capsys.readouterr().out) and "desk.sql" in said
    desk.run(f"UPDATE study SET status = 'X' WHERE pk = {key}; SELECT 1")        # and still changes
    assert capsys.readouterr().out.startswith("    1 row ")
    assert desk.sql(f"SELECT status FROM study WHERE pk = {key}")["status"][0] == "X"
    with pytest.raises(CourseError, match="text"):
        desk.run(["SELECT 1"])


def test_what_would_not_last_or_hits_others_is_told(check, editions, given):
    right = solved("TheDatabase", editions)
    three = [one for one in right.split(";") if one.strip()]
    assert check("TheDatabase", three).correct and check("TheDatabase", tuple(three)).correct
    assert check("TheDatabase", f"BEGIN;{right}COMMIT;").correct
    for undone in (f"BEGIN;{right}ROLLBACK", f"{right}ROLLBACK;", ";".join([three[0], "ROLLBACK", *three[1:]])):
        assert "ROLLBACK undoes" in check("TheDatabase", undone).message
    assert "no COMMIT" in check("TheDatabase", f"BEGIN;{right}").message
    assert "curved" in check("TheDatabase", right.replace("'", "\u2019")).message
    assert "only asks" in check("TheDatabase", "SELECT 1").message
    temporary = given("right")["temporary_id"]
    many = right.replace(f"WHERE pid = '{temporary}'", "WHERE pid LIKE 'HV%00%'")
    assert many != right and "rows of `patient` that have nothing to do with this correction" in check("TheDatabase", many).message
    other = given("desk").sql("SELECT pk FROM study ORDER BY pk DESC LIMIT 1")["pk"][0]
    assert f"pk {other}" in check("TheDatabase", f"{right}; UPDATE study SET status = 'X' WHERE pk = {other}").message
    accession = given("right")["accession"]
    row = dict(given("desk").sql(f"SELECT * FROM orders WHERE accession = '{accession}'").iloc[0])
    key = editions.own.truth["case_17"]["patient_pk"]
    anew = f"""{three[0]};{three[2]}; DELETE FROM orders WHERE pk = {row['pk']};
        INSERT INTO orders VALUES ({row['pk']}, {key}, '{accession}', '{row['study_uid']}', 'COMPLETED')"""
    assert check("TheDatabase", anew).label == "not_updated"
    verdict = check("TheDatabase", right.replace("'VERIFIED'", '"VERIFIED"'))
    bare = check("TheDatabase", right.replace(f"WHERE pid = '{temporary}'", f"WHERE pid = '{temporary}' OR 'HV100234'"))
    assert bare.correct and "compares that text with nothing" in bare.message
    assert verdict.correct and "single quotes" in verdict.message and "single quotes" not in check("TheDatabase", right).message


def test_cases_of_match_hold_every_trap():
    cases = module.Match.cases(random.Random("x"))
    answers = [module.Match.solution(*case) for case in cases]
    assert 0.25 < sum(answer is None for answer in answers) / len(answers) < 0.75
