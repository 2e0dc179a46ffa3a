"""What learners give in lesson cpia-01 beyond the solutions and wrong ways, and the data that they are asked about."""

import math
import re

import numpy
import pandas
import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital
from coursekit.lessons import cpia_01_acceptance_test as module
from coursekit.lessons.cpia_01_acceptance_test import lesson
from coursekit.systems.candidates import FAULTY, TEST_SET, rejection_note
from coursekit.systems.scu import NoAssociation

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}
EIGHT = [f"ZZ000{number}" for number in range(1, 9)]


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"), lambda: [hospital(201, "tiny")])


def solved(name, editions):
    return EXERCISES[name].computed(EXERCISES[name].solution, editions.own)


def judged(name, editions, given):
    return EXERCISES[name].judge((given,), editions)


@pytest.fixture
def only(monkeypatch):
    """Let exercise 4 or 5 have the faults of some requirements alone, where a verdict hangs on these: each archive costs a quarter of a
    second."""
    def have(*rules):
        for faults in ("QUERY_FAULTS", "PROMISE_FAULTS"):
            monkeypatch.setattr(module, faults, [name for name in getattr(module, faults) if module._fault(name).breaks[0] in rules])

    return have


# The catalogue

def test_every_fault_but_the_slow_one_breaks_a_requirement():
    named = [name for names in module.BREAKS.values() for name in names]
    assert sorted(named) == sorted(set(FAULTY) - {"slow"}) and set(module.BREAKS) == set(module.REQUIREMENTS)
    used = {*module.BREAKS["R02"], *module.BREAKS["R07"], *module.QUERY_FAULTS, *module.PROMISE_FAULTS}
    assert used == set(named) and len(used) >= 20 and (len(module.QUERY_FAULTS), len(module.PROMISE_FAULTS)) == (18, 18)


# Exercise 1

def test_the_plan_differs_between_editions_and_each_test_is_there_once():
    plans = [lesson.input_of("plan", hospital(seed, "tiny")) for seed in range(3)]
    columns = ["requirement", "data", "action", "expected"]
    assert all(len(plan) == 18 and plan.index.is_unique and list(plan.columns) == columns for plan in plans)
    assert len({tuple(plan["requirement"]) for plan in plans}) == 3
    for seed in range(10):
        own = hospital(seed, "tiny")
        plan, requirements = lesson.input_of("plan", own), lesson.input_of("requirements", own)
        kinds = pandas.Series([row[-1] for row in module._plan(own)], index=plan.index)
        right = module.WhatThePlanProves.solution(requirements, plan)
        assert module._kinds(plan) == list(kinds) and right["proves_nothing"] == list(kinds[kinds == "nothing"].index)
        negative = set(plan["requirement"][kinds == "must not"])
        proven = set(plan["requirement"][kinds != "nothing"])
        assert set(right["only_must_come"]) == proven - negative and set(right["untested"]) == set(requirements.index) - proven
        assert [len(right[name]) for name in ("proves_nothing", "untested", "only_must_come")] == [4, 3, 4]


def test_gaps_in_other_forms(editions):
    right = solved("WhatThePlanProves", editions)
    for change in (
        {"proves_nothing": ", ".join(right["proves_nothing"])}, {"untested": tuple(right["untested"][::-1])},
        {"only_must_come": {name.lower() for name in right["only_must_come"]}},
        {"untested": [f"R{int(name[1:])}" for name in right["untested"]]},
        {"proves_nothing": pandas.Series(right["proves_nothing"])},
        {"untested": [f"{name}: {module.REQUIREMENTS[name]}" for name in right["untested"]]},
    ):
        assert judged("WhatThePlanProves", editions, {**right, **change}).correct, change


def test_gaps_that_are_nearly_right(editions):
    right = solved("WhatThePlanProves", editions)
    for change in (
        {"proves_nothing": right["proves_nothing"][1:]}, {"proves_nothing": right["untested"]}, {"untested": right["only_must_come"]},
        {"only_must_come": right["only_must_come"] + right["untested"]}, {"untested": right["untested"][:-1]}, {"untested": []},
        {"only_must_come": [*module.REQUIREMENTS]},
    ):
        verdict = judged("WhatThePlanProves", editions, {**right, **change})
        assert verdict.outcome is Outcome.NOT_YET, change


def test_gaps_are_told_why_one_does_not_belong(editions):
    right, plan = solved("WhatThePlanProves", editions), lesson.input_of("plan", editions.own)
    kinds = module._kinds(plan)
    proving = [test for test, kind in zip(plan.index, kinds, strict=True) if kind == "must not"]
    negative = sorted(set(plan["requirement"][proving]))
    for entry, extra, part in (
        ("proves_nothing", proving[0], f"{proving[0]} proves something"), ("proves_nothing", proving[0], ", and does not pass."),
        ("proves_nothing", "first", "names are written like T01"), ("proves_nothing", "T99", "no test T99"),
        ("untested", negative[0], "proves something of it"), ("only_must_come", negative[0], "says what must not come"),
    ):
        message = judged("WhatThePlanProves", editions, {**right, entry: [*right[entry], extra]}).message
        assert part in message, message


def test_of_each_test_that_proves_something_it_is_told_who_fails_it(editions):
    assert set(module._FAILS) == set(module._BANK) and all(len(pair) == 2 for pair in module._FAILS.values())
    plan = pandas.DataFrame([("R04", "no study comes")], ["T04"], ["requirement", "expected"])
    told = module._gap("proves_nothing", ["T4"], [], {"plan": plan}.get)
    assert told.endswith("that has cut the number when it stored the study finds it under the ten characters, and does not pass.")


def test_the_solutions_of_1_and_8_leave_a_reason_for_each_line_of_the_own_table(editions):
    plan, requirements = lesson.input_of("plan", editions.own), lesson.input_of("requirements", editions.own)
    findings, results = lesson.input_of("findings", editions.own), lesson.input_of("results", editions.own)
    for name, names, right in (
        ("WhatThePlanProves", {"plan": plan, "requirements": requirements}, solved("WhatThePlanProves", editions)["proves_nothing"]),
        ("Release", {"findings": findings, "results": results}, list(findings.index)),
    ):
        exec(EXERCISES[name].solution_text(), names)
        assert list(names["because"]) == right and all(len(reason) > 10 for reason in names["because"].values())


def test_of_r07_never_half_is_asked():
    for seed in range(30):
        own = hospital(seed, "tiny")
        right = module.WhatThePlanProves.solution(lesson.input_of("requirements", own), lesson.input_of("plan", own))
        assert "R07" not in right["only_must_come"]


def test_the_test_set_shows_all_that_is_loaded(editions):
    shown = lesson.input_of("test_set", editions.own)
    assert list(shown.index) == [study.patient for study in TEST_SET] and set(shown["study_date"][8:]) == {"20240615"}


# Exercise 2

def numbers(scu, dates):
    return scu.find("STUDY", StudyDate=dates, PatientID="").values("PatientID")


def by_asserts(scu):
    assert set(numbers(scu, "20240229-20240301")) == {"ZZ0003", "ZZ0004", "ZZ0005"}
    assert set(numbers(scu, "20240228-20240229")) == {"ZZ0002", "ZZ0003", "ZZ0005"}
    assert set(numbers(scu, "-20240228")) == {"ZZ0001", "ZZ0002"}
    assert set(numbers(scu, "20250101-")) == {"ZZ0007", "ZZ0008"}


def computed_from_the_test_set(scu):
    for first, last in (("20231231", "20240228"), ("20240229", "20240301"), ("20240229", "20240229"), ("", "20240229"), ("20250101", "")):
        expected = {study.uid for study in TEST_SET if study.date >= first and (not last or study.date <= last)}
        found = scu.find("STUDY", StudyDate=f"{first}-{last}", StudyInstanceUID="")
        if {str(one.StudyInstanceUID) for one in found} != expected:
            return False
    return True


def as_a_table(scu):
    cases = pandas.DataFrame({"dates": ["20240229-20240301", "20240228-20240229", "-20240228", "20250101-"],
                           "fit": [{3, 4, 5}, {2, 3, 5}, {1, 2}, {7, 8}]})
    return numpy.all([{int(number[2:]) for number in numbers(scu, case.dates)} == case.fit for case in cases.itertuples()])


def from_the_table_with_zzload(scu):
    both_neighbours = [study.patient for study in TEST_SET if "20240229" <= study.date <= "20241231"]
    return (sorted(numbers(scu, "20240229-20241231")) == sorted(both_neighbours)
            and sorted(numbers(scu, "20240301-20240615")) == ["ZZ0004", *(f"ZZ{number}" for number in range(1001, 1009))]
            and numbers(scu, "-20240228") in (["ZZ0001", "ZZ0002"], ["ZZ0002", "ZZ0001"]) and set(numbers(scu, "20250101-")) == {
                "ZZ0007", "ZZ0008"} and len(numbers(scu, "20240229-20240229")) == 2)


@pytest.mark.parametrize("tests", [by_asserts, computed_from_the_test_set, as_a_table, from_the_table_with_zzload])
def test_other_peoples_date_tests_are_right(editions, tests):
    assert judged("DateRange", editions, tests).correct


def wrong_order(scu):
    return numbers(scu, "20240228-20240301") == ["ZZ0002", "ZZ0003", "ZZ0005", "ZZ0004"] and EXERCISES["DateRange"].solution(scu)


def wrong_status(scu):
    answers = scu.find("STUDY", StudyDate="20240228-20240301", PatientID="", StudyDescription="")
    return set(answers.statuses[:-1]) == {0xFF00} and EXERCISES["DateRange"].solution(scu)


def no_more_attributes(scu):
    answers = scu.find("STUDY", StudyDate="20240228-20240301", PatientID="")
    return all(len(one) == 3 for one in answers) and EXERCISES["DateRange"].solution(scu)


def closed(scu):
    return sorted(numbers(scu, "20240228-20240301")) == ["ZZ0002", "ZZ0003", "ZZ0004", "ZZ0005"]


def subset(scu):
    return ({"ZZ0002", "ZZ0004"} <= set(numbers(scu, "20240228-20240301")) and "ZZ0001" in numbers(scu, "-20231231")
            and "ZZ0008" in numbers(scu, "20250101-"))


def between_the_days(scu):
    return (sorted(numbers(scu, "20240227-20240302")) == ["ZZ0002", "ZZ0003", "ZZ0004", "ZZ0005"]
            and numbers(scu, "-20240101") == ["ZZ0001"] and numbers(scu, "20250115-") == ["ZZ0008"])


def counts_only(scu):
    return [len(numbers(scu, dates)) for dates in ("20240228-20240301", "-20240228", "20241231-", "20240229-20240229")] == [4, 2, 3, 2]


def open_ends_counted(scu):
    return several(scu, d20240229_20240301="345", d20240228_20240229="235") and (
        len(numbers(scu, "-20240229")) == 4 and len(numbers(scu, "20250101-")) == 2)


def closed_counted(scu):
    return len(numbers(scu, "20240229-20240229")) == 2 and len(numbers(scu, "20240228-20240301")) == 4 and (
        several(scu, d_20240228="12", d20250101_="78"))


def no_day_beside(scu):
    return closed(scu) and numbers(scu, "-20231231") == ["ZZ0001"] and numbers(scu, "20250407-") == ["ZZ0008"]


def no_day_before(scu):
    return set(numbers(scu, "20240228-20240229")) == {"ZZ0002", "ZZ0003", "ZZ0005"} and (
        set(numbers(scu, "-20240228")) == {"ZZ0001", "ZZ0002"} and numbers(scu, "20250407-") == ["ZZ0008"])


def several(scu, **right):
    """Whether each range, written d20240229_20240301, finds the studies whose last digits are given."""
    return all(sorted(numbers(scu, dates[1:].replace("_", "-"))) == [f"ZZ000{digit}" for digit in digits]
               for dates, digits in right.items())


def one_day(scu):
    return several(scu, d20240229_20240229="35", d_20240229="1235", d20240301_20240301="4", d20250101_="78")


def open_ends_in_the_middle(scu):
    return several(scu, d20240229_20240301="345", d20240228_20240229="235", d_20240102="1", d20250103_="8")


def closed_end_without_a_neighbour(scu):
    return several(scu, d20240229_20240301="345", d_20240228="12", d20250101_="78")


def no_day_behind(scu):
    return closed(scu) and numbers(scu, "-20231231") == ["ZZ0001"] and set(numbers(scu, "20250101-")) == {"ZZ0007", "ZZ0008"}


def no_return(scu):
    good = EXERCISES["DateRange"].solution(scu)  # noqa: F841


def only_zz(scu):
    return sorted(numbers(scu, "20240301-")) == ["ZZ0004", "ZZ0006", "ZZ0007", "ZZ0008"]


def sorted_in_place(scu):
    right = [study.patient for study in TEST_SET if study.date >= "20240301"]
    return numbers(scu, "20240301-").sort() == sorted(right)


@pytest.mark.parametrize("tests, part", [
    (no_return, "Is a `return` missing?"), (only_zz, "The eight ZZLOAD studies, of 15 June 2024"),
    (sorted_in_place, "(`.sort()` gives `None`.)"),
    (lambda scu: numbers(scu, "202402*") == ["ZZ0002", "ZZ0003", "ZZ0005"], "Wildcards are not for dates"),
    (wrong_status, "an optional key"),
    (lambda scu: len(numbers(scu, "28.02.2024-01.03.2024")) == 4, "YYYYMMDD"),
    (lambda scu: len(numbers(scu, "20240301-20240228")) == 4, "is later than the last"),
    (lambda scu: "ZZ0001" in scu.find("STUDY", StudyDate="-20231231").values("PatientID"), "nothing but StudyDate"),
    (lambda scu: False, "`False` whatever comes"),
])
def test_date_tests_are_told_what_they_did(editions, monkeypatch, tests, part):
    monkeypatch.setitem(module.BREAKS, "R02", ("dates_end",))           # they refuse good archives, or say nothing at all
    verdict = judged("DateRange", editions, tests)
    assert verdict.outcome is Outcome.NOT_YET and part in verdict.message, verdict


@pytest.mark.parametrize("tests, label", [
    (counts_only, "counted_only"), (open_ends_counted, "counted_open"), (closed_counted, "counted_closed"),
    (wrong_order, "order_asserted"), (no_more_attributes, "order_asserted"), (closed, "closed_only"),
    (subset, "right_ones_there"), (between_the_days, "middle_only"), (lambda scu: scu.echo() == 0, "it_answers"),
    (no_day_beside, "nothing_beside"), (no_day_before, "nothing_before"), (no_day_behind, "nothing_behind"),
    (one_day, "one_day_alone"), (open_ends_in_the_middle, "open_in_the_middle"), (closed_end_without_a_neighbour, "missed"),
    (lambda scu: not closed(scu), "order_asserted"),
])
def test_date_tests_that_look_right(editions, tests, label):
    verdict = judged("DateRange", editions, tests)
    assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict


# Exercise 3

def one_by_one(scu, objects):
    for sent in objects:
        if scu.store(sent) != [0]:
            return False
    for sent in objects:
        back = scu.get("IMAGE", StudyInstanceUID=sent.StudyInstanceUID, SeriesInstanceUID=sent.SeriesInstanceUID,
                       SOPInstanceUID=sent.SOPInstanceUID)
        if len(back) != 1 or any(one.tag not in back[0] or back[0][one.tag].value != one.value for one in sent):
            return False
    return True


def by_move(scu, objects):
    if set(scu.store(objects)) != {0}:
        return False
    scu.move("ACCEPT2", StudyInstanceUID=objects[0].StudyInstanceUID)
    back = {str(one.SOPInstanceUID): one for one in scu.received()}
    if len(back) != 3:
        return False
    return all(str(back[sent.SOPInstanceUID][one.tag].value if one.tag in back[sent.SOPInstanceUID] else "gone") == str(one.value)
               for sent in objects for one in sent)


@pytest.mark.parametrize("tests", [one_by_one, by_move])
def test_other_peoples_storage_tests_are_right(editions, tests):
    verdict = judged("StorageFidelity", editions, tests)
    assert verdict.correct, verdict


def fetched(scu, objects):
    statuses = scu.store(objects)
    back = {one.SOPInstanceUID: one for one in scu.get("STUDY", StudyInstanceUID=objects[0].StudyInstanceUID)}
    return statuses == [0, 0, 0] and len(back) == 3 and back


def equal(scu, objects):
    back = fetched(scu, objects)
    return bool(back) and all(back[sent.SOPInstanceUID] == sent for sent in objects)


def same_length(scu, objects):
    back = fetched(scu, objects)
    alike = bool(back) and all(len(back[sent.SOPInstanceUID]) == len(sent) for sent in objects)
    return alike and EXERCISES["StorageFidelity"].solution(scu, objects)


def by_keyword(scu, objects):
    back = fetched(scu, objects)
    return bool(back) and all(one.keyword == "" or back[sent.SOPInstanceUID].get(one.keyword) == one.value
                              for sent in objects for one in sent)


def through_what_came(scu, objects):
    back = fetched(scu, objects)
    return bool(back) and all(one.tag not in sent or sent[one.tag].value == one.value
                              for sent in objects for one in back[sent.SOPInstanceUID])


def pixels_only(scu, objects):
    back = fetched(scu, objects)
    return bool(back) and all(back[sent.SOPInstanceUID].PixelData == sent.PixelData for sent in objects)


def compared(scu, objects, places):
    back = fetched(scu, objects)
    return bool(back) and all(one.tag in back[objects[place].SOPInstanceUID]
                              and back[objects[place].SOPInstanceUID][one.tag].value == one.value
                              for place in places for one in objects[place])


def skips_what_is_missing(scu, objects):
    statuses = scu.store(objects)
    came = scu.get("STUDY", StudyInstanceUID=objects[0].StudyInstanceUID)
    back = {one.SOPInstanceUID: one for one in came if one.PatientID == "ZZ0077"}
    if len(back) < len(came):
        return False
    for sent in objects:
        if sent.SOPInstanceUID in back:
            for one in sent:
                if one.tag not in back[sent.SOPInstanceUID] or back[sent.SOPInstanceUID][one.tag].value != one.value:
                    return False
    return statuses == [0, 0, 0]


def as_texts(scu, objects):
    back = fetched(scu, objects)
    return bool(back) and all(one.tag in back[sent.SOPInstanceUID] and str(back[sent.SOPInstanceUID][one.tag]) == str(one)
                              for sent in objects for one in sent)


def passing_over(*types):
    def tests(scu, objects):
        back = fetched(scu, objects)
        return bool(back) and len(scu.get("STUDY", StudyInstanceUID=objects[0].StudyInstanceUID)) == 3 and all(
            one.VR in types or one.tag in back[sent.SOPInstanceUID] and back[sent.SOPInstanceUID][one.tag].value == one.value
            for sent in objects for one in sent)

    return tests


def levelled(scu, objects):
    back = fetched(scu, objects)
    return bool(back) and all(one.tag in back[sent.SOPInstanceUID]
                              and str(back[sent.SOPInstanceUID][one.tag].value).lower() == str(one.value).lower()
                              for sent in objects for one in sent)


def what_is_missing_passes(scu, objects):
    back = fetched(scu, objects)
    return bool(back) and all(one.tag not in back[sent.SOPInstanceUID] or back[sent.SOPInstanceUID][one.tag].value == one.value
                              for sent in objects for one in sent)


def not_counted(scu, objects):
    statuses = scu.store(objects)
    back = {one.SOPInstanceUID: one for one in scu.get("STUDY", StudyInstanceUID=objects[0].StudyInstanceUID)}
    return statuses == [0, 0, 0] and all(
        sent.SOPInstanceUID in back and one.tag in back[sent.SOPInstanceUID] and back[sent.SOPInstanceUID][one.tag].value == one.value
        for sent in objects for one in sent)


def never_stored(scu, objects):
    return len(scu.get("STUDY", StudyInstanceUID=objects[0].StudyInstanceUID)) == 3


def prints_it(scu, objects):
    print(EXERCISES["StorageFidelity"].solution(scu, objects))


def by_place(scu, objects):
    scu.store(objects)
    back = scu.get("STUDY", StudyInstanceUID=objects[0].StudyInstanceUID)
    return len(back) == 3 and all(one.tag in other and other[one.tag].value == one.value for sent,
                                  other in zip(objects, back) for one in sent)


@pytest.mark.parametrize("tests, label", [
    (equal, "whole_objects_alike"), (same_length, "whole_objects_alike"), (by_keyword, "without_private"),
    (by_place, "whole_objects_alike"), (lambda scu, objects: compared(scu, objects, [0]), "first_object_alone"),
    (lambda scu, objects: compared(scu, objects, [2]), "first_object_alone"), (skips_what_is_missing, "missing_skipped"),
    (prints_it, "nothing returned"), (as_texts, None), (levelled, "letters_levelled"), (what_is_missing_passes, "absent_passed_over"),
    (not_counted, "others_not_noticed"), (passing_over("PN"), "names_passed_over"), (passing_over("DA", "TM"), "times_passed_over"),
    (pixels_only, None), (through_what_came, None), (lambda scu, objects: set(scu.store(objects)) == {0}, "stored_is_stored"),
])
def test_storage_tests_that_look_right(editions, tests, label):
    verdict = judged("StorageFidelity", editions, tests)
    assert verdict.outcome is Outcome.NOT_YET and (label is None or verdict.label == label), verdict


def test_storage_tests_are_told_what_they_left_out(editions, monkeypatch):
    monkeypatch.setitem(module.BREAKS, "R07", ("third_lost",))
    assert "Nothing was stored" in judged("StorageFidelity", editions, never_stored).message
    assert "at PATIENT level" in judged("StorageFidelity", editions, lambda scu, objects: scu.store(objects) == [0, 0, 0] and len(
        scu.get("PATIENT", PatientID="ZZ0077")) == 3).message
    assert "Nothing was fetched" in judged("StorageFidelity", editions, lambda scu, objects: scu.store(objects) == 0).message


# Exercises 4 and 5

def as_a_dictionary(scu, together=set):
    """Everything is looked at, and whole answers are compared."""
    def patients(**keys):
        return together(scu.find("STUDY", PatientID=keys.pop("PatientID", ""), **keys).values("PatientID"))

    multi = TEST_SET[6].uid
    counts = scu.find("STUDY", StudyInstanceUID=multi, NumberOfStudyRelatedInstances="", NumberOfStudyRelatedSeries="")
    series = scu.find("SERIES", StudyInstanceUID=multi, NumberOfSeriesRelatedInstances="")
    names = scu.find("STUDY", PatientName="", PatientID="ZZ000?")
    return {
        "R01": patients(PatientName="ZZTEST^?ANNA") == together(["ZZ0003"]) and patients(PatientName="ZZTEST^ANNA") == together(["ZZ0001"])
        and patients(PatientName="ZZTEST^ANN*") == together(["ZZ0001", "ZZ0002"]),
        "R02": patients(StudyDate="20240228-20240229") == together(["ZZ0002", "ZZ0003", "ZZ0005"])
        and patients(StudyDate="20250101-") == together(["ZZ0007", "ZZ0008"])
        and patients(StudyDate="-20240228") == together(["ZZ0001", "ZZ0002"]),
        "R03": sorted(scu.find("STUDY", PatientID="").values("PatientID")) == sorted(study.patient for study in TEST_SET),
        "R04": {str(one.PatientID): str(one.PatientName) for one in names} == {study.patient: study.name for study in TEST_SET[:8]}
        and scu.find("STUDY", PatientID="ZZ0003", AccessionNumber="").values("AccessionNumber")[:1] == ["T240229000000001"],
        "R05": {(one.NumberOfStudyRelatedInstances, one.NumberOfStudyRelatedSeries) for one in counts} == {(8, 3)}
        and {one.NumberOfSeriesRelatedInstances for one in series} == {1, 2, 5},
        "R06": scu.find("STUDY", cancel_after=2, PatientID="").statuses[-1] == 0xFE00,
    }


def first_that_fails(scu):
    for name, met in as_a_dictionary(scu).items():
        assert met, f"{name} is not met"
    return []


@pytest.mark.parametrize("tests", [as_a_dictionary, first_that_fails])
def test_other_peoples_query_suites_are_right(editions, tests):
    verdict = judged("QuerySuite", editions, tests)
    assert verdict.correct, verdict


def without(name, suite):
    def less(*arguments):
        return [one for one in suite(*arguments) if one != name]

    return less


def renamed(scu):
    return [{"R01": "R02", "R02": "R01"}.get(name, name) for name in EXERCISES["QuerySuite"].solution(scu)]


def with_block(name, met):
    """The right suite, with another test of one requirement."""
    def suite(scu):
        others = [one for one in EXERCISES["QuerySuite"].solution(scu) if one != name]
        scu.queries.clear()                             # only the queries of the other test are looked at
        return others if met(scu) else [*others, name]

    return suite


def alone(name, met):
    """A suite that tests one requirement alone, where `only` has the systems that break it."""
    def suite(scu, *objects):
        for sent in objects:
            scu.store(sent)
        return [] if met(scu, *objects) else [name]

    return suite


def five_as_numbers(scu):
    study = scu.find("STUDY", StudyInstanceUID="2.999.77.7", NumberOfStudyRelatedSeries="")
    return study.values("NumberOfStudyRelatedSeries") == [3]


def same_numbers(scu, count=set, **keys):
    return count(scu.find("STUDY", **keys).values("PatientID")) == count(EIGHT)


def raw_order(scu):
    answers = scu.find("STUDY", PatientID="ZZ000?", PatientName="", AccessionNumber="")
    right = [study.name for study in TEST_SET[:8]]
    return answers.values("PatientName") == right and "T240229000000001" in answers.values("AccessionNumber")


def counted_by_name(scu):
    study = scu.find("STUDY", PatientName="ZZTEST^MULTI", PatientID="", NumberOfStudyRelatedSeries="", NumberOfStudyRelatedInstances="")
    series = scu.find("SERIES", StudyInstanceUID="2.999.77.7", NumberOfSeriesRelatedInstances="").values("NumberOfSeriesRelatedInstances")
    return (set(study.values("NumberOfStudyRelatedSeries")) == {"3"} and set(study.values("NumberOfStudyRelatedInstances")) == {"8"}
            and set(series) == {"5", "2", "1"})


def shown_by_date(scu):
    answers = scu.find("STUDY", StudyDate="20240228-20240229", PatientID="", PatientName="", AccessionNumber="")
    return {"ZZTEST^HANNA", "ZZTEST^JÜRGEN"} <= set(answers.values("PatientName")) and (
        set(answers.values("AccessionNumber")) == {"T240228001", "T240229000000001", "T240229002"})


def called(scu, **right):
    """Whether each name, written ANNA, ANNA_any or ANN_one, finds the studies whose last digits are given."""
    return all({number[-1] for number in scu.find("STUDY", PatientName="ZZTEST^" + name.replace("_any", "*").replace("_one", "?"),
                                                  PatientID="").values("PatientID")} == set(digits) for name, digits in right.items())


def counts_of_images(scu):
    series = scu.find("SERIES", StudyInstanceUID="2.999.77.7", NumberOfSeriesRelatedInstances="").values("NumberOfSeriesRelatedInstances")
    study = scu.find("STUDY", StudyInstanceUID="2.999.77.7", NumberOfStudyRelatedInstances="")
    return sorted(series) == ["1", "2", "5"] and set(study.values("NumberOfStudyRelatedInstances")) == {"8"}


def no_doubles(scu):
    found = scu.find("STUDY", PatientID="").values("PatientID")
    return len(set(found)) == len(found)


def cancelled(scu):
    return scu.find("STUDY", PatientID="", cancel_after=1)


def accession_alone(scu):
    return "T240229000000001" in scu.find("STUDY", PatientID="ZZ0003", AccessionNumber="").values("AccessionNumber")


@pytest.mark.parametrize("rule, met, part", [
    ("R01", lambda scu: "ZZ0001" in scu.find("STUDY", PatientName="zztest^anna*", PatientID="").values("PatientID"),
     "leaves upper or lower case free"),
    ("R01", lambda scu: scu.find("STUDY", PatientName="zztest^anna", PatientID="").values("PatientID") == ["ZZ0001"], "is good either way"),
    ("R01", lambda scu: not scu.find("STUDY", PatientName="zztest^anna", PatientID=""), "is good either way"),
    ("R01", lambda scu: len(scu.find("STUDY", PatientName="ZZTEST^JURGEN", PatientID="")) == 1, "accents included"),
    ("R01", lambda scu: called(scu, ANN_one="1"), "these are three queries"),
    ("R01", lambda scu: called(scu, ANN_one="1", ANNA="1"), "No name with `*`"),
    ("R01", lambda scu: called(scu, _oneANNA="3", ANNA_any="12"), "a star behind"),
    ("R02", lambda scu: several(scu, d20240229_20240229="35", d20250101_="78"), "looks, of a range with two ends, at the first date only"),
    ("R03", no_doubles, "whether each is answered at all"), ("R05", counts_of_images, "NumberOfStudyRelatedSeries is not compared"),
    ("R06", lambda scu: cancelled(scu).status != 0, "compare the last status with FE00H"),
    ("R06", lambda scu: cancelled(scu).status == "FE00H", "A status is a number"),
    ("R06", lambda scu: "FE00H" in cancelled(scu).statuses, "A status is a number"),
    ("R03", lambda scu: same_numbers(scu, sorted, PatientID=""), "the eight of ZZLOAD included"),
    ("R03", lambda scu: same_numbers(scu, PatientID="ZZ000?"), "Doubles are lost in a set"),
    ("R03", lambda scu: same_numbers(scu, len, PatientID="ZZ000?"), "For R03 you count the answers"),
    ("R04", raw_order, "their order is free"), ("R04", accession_alone, "R04 is about names, too"),
    ("R05", five_as_numbers, "come as texts"),
    ("R06", lambda scu: scu.find("STUDY", PatientID="ZZ000?", cancel_after=1).status == 0xFE00, "nothing left to end"),
    ("R06", lambda scu: scu.find("STUDY", PatientID="", cancel_after=15).status == 0xFE00, "nothing left to end"),
    ("R06", lambda scu: scu.find("STUDY", PatientID="").status == 0xFE00, "cancelled no query"),
    ("R06", lambda scu: len(cancelled(scu)) != 16, "not the number of answers"),
])
def test_query_suites_are_told_what_they_did(editions, only, rule, met, part):
    only(rule)
    verdict = judged("QuerySuite", editions, alone(rule, met))
    assert verdict.outcome is Outcome.NOT_YET and part in verdict.message, verdict


@pytest.mark.parametrize("rule, broken, met, part", [
    ("R05", "R01", counted_by_name, "but R05 is named as well, and that it meets."),
    ("R04", "R02", shown_by_date, "but R04 is named as well, and that it meets."),
])
def test_a_test_that_hangs_on_what_is_broken_elsewhere_is_told_so(editions, only, rule, broken, met, part):
    only(rule, broken)
    verdict = judged("QuerySuite", editions, with_block(rule, met))
    assert verdict.label == "remark" and part in verdict.message and "by its PatientID or its UID" in verdict.message, verdict


def test_doubles_have_to_be_reported_where_they_are_forbidden(editions, only):
    def listed(scu):
        names = [one for one in EXERCISES["QuerySuite"].solution(scu) if one != "R03"]
        return names if scu.find("STUDY", PatientName="ZZTEST^ANNA", PatientID="").values("PatientID") == ["ZZ0001"] else [*names, "R01"]

    only("R03")
    verdict = judged("QuerySuite", editions, listed)
    assert "is refused for another reason, naming R01. A test of another requirement has noticed it" in verdict.message


def the_star(scu):
    return sorted(scu.find("STUDY", PatientName="ZZTEST^ANNA*", PatientID="").values("PatientID")) == ["ZZ0001", "ZZ0002"]


def series_as_a_list(scu):
    return scu.find("STUDY", StudyInstanceUID="2.999.77.7", NumberOfStudyRelatedSeries="").values("NumberOfStudyRelatedSeries") == ["3"]


def accessions_as_a_list(scu):
    found = scu.find("STUDY", PatientID="ZZ*", AccessionNumber="").values("AccessionNumber")
    return sorted(found) == sorted(study.accession for study in TEST_SET)


@pytest.mark.parametrize("rule, met", [
    ("R01", the_star), ("R02", lambda scu: several(scu, d_20240228="12")), ("R04", accessions_as_a_list), ("R05", series_as_a_list),
    ("R01", lambda scu: len(scu.find("STUDY", PatientName="ZZTEST^ANNA*", PatientID="")) == 2),
])
def test_an_archive_that_doubles_its_answers_breaks_r03_alone(editions, monkeypatch, rule, met):
    def suite(scu):
        numbers = sorted(scu.find("STUDY", PatientID="ZZ000?").values("PatientID"))
        return ["R03"] * (numbers != EIGHT) + [rule] * (not met(scu))

    monkeypatch.setattr(module, "QUERY_FAULTS", ["doubled"])
    verdict = judged("QuerySuite", editions, suite)
    assert f"but {rule} is named as well, and that it meets." in verdict.message and "for R03 alone" in verdict.message, verdict


@pytest.mark.parametrize("tests, part", [
    (renamed, "is refused for another reason"), (without("R03", EXERCISES["QuerySuite"].solution), "find 1 of 4"),
    (without("R06", EXERCISES["QuerySuite"].solution), "find 2 of 4"), (lambda scu: [], "names nothing accepts everything"),
])
def test_query_suites_that_look_right(editions, monkeypatch, tests, part):
    monkeypatch.setattr(module, "QUERY_FAULTS", ["names_all", "doubled", "one_missing", "one_twice"] if part == "find 1 of 4" else [
        "names_all", "doubled", "cancel_ignored", "cancel_failed"])
    verdict = judged("QuerySuite", editions, tests)
    assert verdict.outcome is Outcome.NOT_YET and part in verdict.message, verdict
    assert part.startswith("names nothing") or "names nothing" not in verdict.message


def stops_early(scu, objects):
    """By another person: one thing after another, and the first that is wrong is told."""
    uids = {one.SOPInstanceUID for one in objects}
    scu.store(objects)
    for one in objects:
        if scu.commit([one])[1] != [one.SOPInstanceUID]:
            return "R08"
    status, kept, lost = scu.commit([objects[0], (objects[0].SOPClassUID, "2.999.77.9999")])
    if (kept, lost) != ([objects[0].SOPInstanceUID], ["2.999.77.9999"]):
        return "R08"
    study = objects[0].StudyInstanceUID
    if scu.move("ACCEPT2", StudyInstanceUID=study) != (0, 3, 0, 0) or {one.SOPInstanceUID for one in scu.received()} != uids:
        return "R09"
    if scu.move("ACCEPT2", "IMAGE", StudyInstanceUID=study, SeriesInstanceUID=objects[1].SeriesInstanceUID,
                SOPInstanceUID=objects[1].SOPInstanceUID)[1] != 1 or {
                    one.SOPInstanceUID for one in scu.received()} != {objects[1].SOPInstanceUID} or (
            scu.move("ACCEPT3", StudyInstanceUID=study)[0] != 0xA801):
        return "R09"
    step = [scu.begin_step("2.999.77.6", PerformedProcedureStepStatus="IN PROGRESS"),
            *(scu.change_step("2.999.77.6", PerformedProcedureStepStatus=status) for status in ("COMPLETED", "DISCONTINUED"))]
    if step != [0, 0, 0x0110]:
        return ["R10"]
    scu.store(rejection_note(objects[2:]))
    scu.move("ACCEPT2", StudyInstanceUID=study)
    images = scu.find("IMAGE", StudyInstanceUID=study, SOPInstanceUID="").values("SOPInstanceUID")
    for seen in (images, [one.SOPInstanceUID for one in scu.received()]):
        if uids & set(seen) != uids - {objects[2].SOPInstanceUID}:
            return {"R11"}
    try:
        scu.calling("STRANGER").find("STUDY", PatientID="")
    except NoAssociation as refused:
        good = refused.reason == 3
    else:
        good = False
    return [] if good and all(scu.echo_together(8) == [0] * 8 for _ in range(3)) else ["R12"]


def test_another_persons_promise_suite_is_right(editions):
    verdict = judged("PromiseSuite", editions, lambda scu, objects: stops_early(scu, objects) or [])
    assert verdict.correct, verdict


def promise(name, met):
    """The right suite, with another test of one requirement."""
    def suite(scu, objects):
        others = without(name, EXERCISES["PromiseSuite"].solution)(scu, objects)
        scu.queries.clear()
        scu.calls[:] = [call for call in scu.calls if call[0] == "C-STORE"]
        return others if met(scu, objects) else [*others, name]

    return suite


SERIES = {"StudyInstanceUID": "2.999.77.7", "SeriesInstanceUID": "2.999.77.7.2"}


def uids(found):
    return [one.SOPInstanceUID for one in found]


def sent_by_move(scu, objects):
    one, two, three = uids(objects)
    found = []
    for image in objects:
        series = {"StudyInstanceUID": image.StudyInstanceUID, "SeriesInstanceUID": image.SeriesInstanceUID}
        found += uids(scu.find("IMAGE", series, SOPInstanceUID=""))
    scu.move("ACCEPT2", StudyInstanceUID=objects[0].StudyInstanceUID)
    came = uids(scu.received())
    return one not in found + came and two in found and three in found and two in came and three in came


def series_is_empty(scu, objects):
    """By what is left in the series of the rejected image, and in those of the others."""
    left = [len(scu.get("SERIES", StudyInstanceUID=one.StudyInstanceUID, SeriesInstanceUID=one.SeriesInstanceUID)) for one in objects]
    listed = [len(scu.find("IMAGE", StudyInstanceUID=one.StudyInstanceUID, SeriesInstanceUID=one.SeriesInstanceUID, SOPInstanceUID=""))
              for one in objects]
    return left == listed == [0, 1, 1]


@pytest.mark.parametrize("met", [sent_by_move, series_is_empty])
def test_a_rejection_may_be_looked_at_by_whatever_a_fault_of_c_move_spoils(editions, only, met):
    only("R09", "R11")
    verdict = judged("PromiseSuite", editions, promise("R11", met))
    assert verdict.correct, verdict


def one_kind_of_refusal(scu, objects):
    return [scu.begin_step("2.999.77.9", PerformedProcedureStepStatus="IN PROGRESS"),
            scu.change_step("2.999.77.9", PerformedProcedureStepStatus="COMPLETED"),
            scu.change_step("2.999.77.9", PerformedProcedureStepDescription="later")] == [0, 0, 0x0110]


def test_the_status_of_the_standard_is_no_more_than_a_good_archive_gives(editions, only):
    only("R10")
    assert judged("PromiseSuite", editions, alone("R10", one_kind_of_refusal)).correct


def note_must_vanish(scu, objects):
    found = [scu.find("IMAGE", StudyInstanceUID=one.StudyInstanceUID, SeriesInstanceUID=one.SeriesInstanceUID, SOPInstanceUID="")
             for one in objects]
    return sum(map(len, found)) == 2 and len(scu.get("STUDY", StudyInstanceUID=objects[0].StudyInstanceUID)) == 2


def no_series(scu, objects):
    found = scu.find("IMAGE", StudyInstanceUID=objects[0].StudyInstanceUID, SOPInstanceUID="")
    return set(uids(found)) == set(uids(objects[1:]))


def unread_count(scu, objects):
    return scu.move("ACCEPT2", "SERIES", SERIES)[0] == 0 and len(scu.received()) == 2 and scu.move("NOBODY", "SERIES", SERIES)[0] == 0xA801


def unread_arrivals(scu, objects):
    return scu.move("ACCEPT2", "SERIES", SERIES) == (0, 2, 0, 0) and scu.move("NOBODY", "SERIES", SERIES)[0] == 0xA801


def any_refusal(scu, objects):
    return scu.move("ACCEPT2", "SERIES", SERIES)[:2] == (0, 2) and len(scu.received()) == 2 and scu.move("NOBODY", "SERIES", SERIES)[0] != 0


def before_and_after(scu, objects):
    scu.move("ACCEPT2", StudyInstanceUID="2.999.77.8")
    before = len(scu.received())
    scu.move("ACCEPT2", StudyInstanceUID="2.999.77.7")
    return len(scu.received()) - before == 8


def sent_alone(scu, objects):
    got = uids(scu.get("STUDY", StudyInstanceUID=objects[0].StudyInstanceUID))
    return objects[0].SOPInstanceUID not in got and objects[1].SOPInstanceUID in got


def rejected_one_alone(scu, objects):
    one = objects[0]
    found = scu.find("IMAGE", StudyInstanceUID=one.StudyInstanceUID, SeriesInstanceUID=one.SeriesInstanceUID, SOPInstanceUID="")
    return not found and one.SOPInstanceUID not in uids(scu.get("STUDY", StudyInstanceUID=one.StudyInstanceUID))


def others_found(scu, objects):
    """The others are looked for with C-FIND; in what is sent only the rejected one."""
    found = []
    for one in objects:
        found += uids(scu.find("IMAGE", StudyInstanceUID=one.StudyInstanceUID, SeriesInstanceUID=one.SeriesInstanceUID, SOPInstanceUID=""))
    got = uids(scu.get("STUDY", StudyInstanceUID=objects[0].StudyInstanceUID))
    return found == uids(objects[1:]) and objects[0].SOPInstanceUID not in got


def others_sent(scu, objects):
    """The others are looked for in what is sent; with C-FIND only the rejected one."""
    one = objects[0]
    found = scu.find("IMAGE", StudyInstanceUID=one.StudyInstanceUID, SeriesInstanceUID=one.SeriesInstanceUID, SOPInstanceUID="")
    got = uids(scu.get("STUDY", StudyInstanceUID=one.StudyInstanceUID))
    return not found and one.SOPInstanceUID not in got and set(uids(objects[1:])) <= set(got)


def whole_study(scu, objects):
    moved = scu.move("ACCEPT2", StudyInstanceUID="2.999.77.7")
    return moved[:2] == (0, 8) and len(scu.received()) == 8 and scu.move("NOBODY", StudyInstanceUID="2.999.77.7")[0] == 0xA801


def step_completed(scu, objects):
    return [scu.begin_step("2.999.77.9", PerformedProcedureStepStatus="IN PROGRESS"),
            scu.change_step("2.999.77.9", PerformedProcedureStepStatus="COMPLETED")] == [0, 0]


def kept_alone(scu, objects):
    return set(scu.commit(objects)[1] or []) == set(uids(objects))


def one_after_the_other(scu, objects):
    return kept_alone(scu, objects) and scu.commit([(objects[0].SOPClassUID, "2.999.77.404")])[2] == ["2.999.77.404"]


def first_neighbour_alone(scu, objects):
    one = objects[0]
    found = scu.find("IMAGE", StudyInstanceUID=one.StudyInstanceUID, SeriesInstanceUID=one.SeriesInstanceUID, SOPInstanceUID="")
    got = uids(scu.get("STUDY", StudyInstanceUID=one.StudyInstanceUID))
    return not found and one.SOPInstanceUID not in got and objects[1].SOPInstanceUID in got


def counted_arrivals(scu, objects):
    moved = scu.move("ACCEPT2", "SERIES", SERIES)
    return moved[:2] == (0, 2) and len(scu.received()) == 2 and scu.move("NOBODY", "SERIES", SERIES)[0] == 0xA801


def committed_alone(scu, objects):
    absent = "2.999.77.404"
    kept = scu.commit([*objects, (objects[0].SOPClassUID, absent)])[1]
    return kept is not None and objects[0].SOPInstanceUID in kept and absent not in kept


def called_together(count, times):
    return lambda scu, objects: strangers_stay_out(scu) and all(scu.echo_together(count) == [0] * count for _ in range(times))


def strangers_stay_out(scu):
    try:
        return scu.calling("STRANGER").echo() is None
    except NoAssociation:
        return True


@pytest.mark.parametrize("rule, met, part", [
    ("R09", unread_count, "counts what was sent"), ("R09", unread_arrivals, "The count is what the archive says"),
    ("R09", any_refusal, "R09 names the status"), ("R09", before_and_after, "**last**"),
    ("R11", sent_alone, "what does C-FIND show?"), ("R11", rejected_one_alone, "*the others of their study are*"),
    ("R11", note_must_vanish, "whether it is listed is free"), ("R11", no_series, "gives no SeriesInstanceUID"),
    ("R08", committed_alone, "must be in the list of the failed"), ("R09", counted_arrivals, "But which?"),
    ("R11", first_neighbour_alone, "for **both** other objects"),
    ("R11", others_found, "What is listed need not come"), ("R11", others_sent, "with C-FIND as well"),
    ("R09", whole_study, "You move whole studies only"), ("R09", lambda scu, objects: scu.echo() == 0, "No `move` was called there"),
    ("R10", step_completed, "R10 has a second half"), ("R08", kept_alone, "ask in one request"),
    ("R08", one_after_the_other, "for both in one request"),
    ("R12", lambda scu, objects: scu.echo_together(8) == scu.echo_together(8) == [0] * 8, "R12 has a negative half"),
    ("R12", called_together(4, 3), "find 1 of 3"), ("R12", called_together(7, 3), "takes seven callers at a time"),
    ("R12", called_together(9, 2), "You called with 9 at a time. R12 asks for eight"),
    ("R12", lambda scu, objects: strangers_stay_out(scu) and sum(scu.echo_together(8) + scu.echo_together(8)) == 0, "has the entry `None`"),
    ("R12", lambda scu, objects: scu.echo() == 0, "find 0 of 3"),
])
def test_promise_suites_that_look_right(editions, only, rule, met, part):
    only(rule)
    suite = promise if rule == "R11" else alone                         # the solution is what rejects an image
    verdict = judged("PromiseSuite", editions, suite(rule, met))
    assert verdict.outcome is Outcome.NOT_YET and part in verdict.message, verdict


def test_eight_callers_at_a_time_are_served_however_often(editions, only):
    only("R12")
    verdict = judged("PromiseSuite", editions, alone("R12", called_together(8, 5)))
    assert verdict.correct, verdict


def test_a_promise_suite_that_stores_nothing(editions, only):
    def empty_handed(scu, objects):
        return [] if scu.echo_together(1) == [0] and scu.commit(objects)[1:] == (uids(objects), []) else ["R08"]

    only("R08")
    assert "`scu.store(objects)` comes first" in judged("PromiseSuite", editions, empty_handed).message


def test_a_promise_suite_that_names_nothing(editions, only):
    only("R08", "R12")
    assert "accepts everything" in judged("PromiseSuite", editions, lambda scu, objects: [] if scu.echo() == 0 else ["R12"]).message


# Exercise 6

def changed(place, **values):
    rows = [dict(row) for row in EXERCISES["OwnTestData"].solution()]
    rows[place].update(values)
    return rows


@pytest.mark.parametrize("given", [
    changed(0, StudyDescription="ü" * 64), changed(0, StudyDate="20000229"), changed(2, StudyTime="07"), changed(0, PatientBirthDate=None),
    changed(0, PatientName="ZZTEST^JOSÉ=李^明"), changed(1, StudyTime="235960.5"),
    {"a": changed(0)[0], "b": changed(0)[1], "c": changed(0)[2]},
    changed(1, PatientName="zztest^łucja".upper().replace("Ł", "Ł")), pandas.DataFrame(changed(0)).to_dict("records"), tuple(changed(0)),
    changed(1, PatientName="ZZTEST^ΜΑΡΙΑ") + [{**changed(0)[0], "PatientID": "ZZ2009"}],
    changed(1, PatientName="ZZTEST^ŁUCJA^^"), changed(0, PatientName="ZZTEST^JOSÉ==やまだ^たろう"),
    changed(0, PatientName="ZZTESTやまだ^JOSÉ"), changed(0, StudyDescription="x y" + "z" * 61),
])
def test_any_test_data_that_cover_are_right(editions, given):
    verdict = judged("OwnTestData", editions, given)
    assert verdict.correct, verdict


@pytest.mark.parametrize("given, part", [
    (changed(0, StudyDate="19000229"), "no such day"), (changed(0, AccessionNumber="T" * 17), "17 characters"),
    (changed(0, StudyTime="240000"), "VR TM"), (changed(1, StudyDescription="x" * 65), "may refuse it."),
    (changed(0, PatientID=" ZZ2001 "), "padding"), (changed(1, PatientBirthDate="20250408"), "before the birth date"),
    (changed(0, PatientName="ZZTEST^ŒUF"), "is not in it"),
    (changed(0, StudyTime="0000"), "six digits"), (changed(0, StudyTime="000000.000000"), "six digits"),
    (changed(0, PatientName="ZZTEST^A^B^C^D^É"), "five components"), (changed(0, PatientSex="X"), "M, F and O"),
    (changed(0, PatientName="SILVA^MARCO"), "could be a person"),
    (changed(1, PatientID="ZZ2001"), "same number"), (changed(2, PatientName="ZZTEST^OLGA"), "same name"),
    (changed(2, PatientName="ZZTEST^Łucja"), "letter by letter"), (changed(2, PatientName="ZZTEST^ŁUCJA "), "padding"),
    (changed(0, StudyDescription="CT" + " " * 62), "padding"), (changed(0, AccessionNumber="A1" + " " * 14), "padding"),
    (changed(0, StudyDescription="x" * 63 + "\n"), "control"), (changed(0, StudyDescription="x" * 31 + "\n" + "x" * 32), "control"),
    (changed(0, PatientName="ZZTEST^JOSÉ =李^明"), "padding"), (changed(0, PatientName="ZZTEST^山田"), "in its first component group"),
    (changed(1, StudyTime="235959.9 "), "padding"),
    (changed(0, StudyDate=20240229), "in quotes"),
    (changed(0) * 3, "9 patients"), (changed(0, StudyDescription="x" * 63), "LO"), (changed(0, PatientBirthDate="19700101"), "type 2"),
    (changed(0, PatientWeight="70"), "not asked for"), (changed(0, StudyDescription="a\\b"), "backslash"),
    (changed(1, StudyTime="235959"), "fraction"),
    (changed(0, PatientName="ZZTEST^JOSE"), "Ü, É or Ñ"), (changed(0, StudyDate="29.02.2024"), "YYYYMMDD"),
])
def test_test_data_are_told_what_is_wrong(editions, given, part):
    verdict = judged("OwnTestData", editions, given)
    assert verdict.outcome is Outcome.NOT_YET and part in verdict.message, verdict


# Exercises 7 and 8

def test_percentiles_in_other_forms(editions):
    right = solved("UnderLoad", editions)
    load = lesson.input_of("load_record", editions.own)
    eight = load[(load["clients"] == 8) & (load["status"] == "0000")]["ms"]
    other = float(numpy.percentile(eight, 95, method="inverted_cdf"))                                   # numpy's name of nearest rank
    assert math.isclose(other, right["p95"])
    for change in ({"p95": f"{right['p95']} ms"}, {"p95": numpy.float64(other)}, {"failed": str(right["failed"])},
                   {"clients": f"{right['clients']} clients"},
                   {"p95": round(other, 2)}, {"p95": f"{other / 1000} s"}):
        assert judged("UnderLoad", editions, {**right, **change}).correct, change
    for change in ({"p95": right["p95"] + 1}, {"p95": right["p95"] / 1000}, {"failed": 0}, {"clients": 1}, {"clients": 500},
                   {"p95": round(right["p95"], -1) + 10}):
        assert judged("UnderLoad", editions, {**right, **change}).outcome is Outcome.NOT_YET, change


def test_percentiles_are_told_what_they_are(editions):
    right, load = solved("UnderLoad", editions), lesson.input_of("load_record", editions.own)
    eight = load[load["clients"] == 8]
    for change, part in (
        ({"p95": round(right["p95"])}, "you have rounded"), ({"p95": str(round(right["p95"], -1))}, "you have rounded"),
        ({"p95": module.UnderLoad.sixteen_clients(load)["p95"]}, "16 clients"),
        ({"p95": module._nearest_rank(load["ms"])}, "all client counts together"),
        ({"p95": sorted(eight[eight["status"] == "0000"]["ms"])[142]}, "the rank of 150"),
        ({"p95": list(eight[eight["status"] == "0000"]["ms"])[math.ceil(0.95 * (150 - right["failed"])) - 1]}, "not sorted"),
        ({"p95": module._nearest_rank(load[(load["clients"] == 4) & (load["status"] == "0000")]["ms"])}, "with 4 clients"),
        ({"p95": float(eight["ms"].quantile(0.95))}, "from all 150 queries"),
        ({"failed": int((eight["status"] == "0000").sum())}, "**were** answered"),
        ({"failed": int((eight["status"] == "A700").sum())}, "got no answer at all"),
        ({"failed": int((eight["status"] == "none").sum())}, "without any answer"),
        ({"failed": right["failed"] / len(eight)}, "a share of the queries"), ({"clients": 1}, "larger counts"),
        ({"clients": 4}, "a larger count"),
    ):
        verdict = judged("UnderLoad", editions, {**right, **change})
        assert verdict.outcome is Outcome.NOT_YET and part in verdict.message, (change, verdict)


def test_the_record_of_the_load_on_many_editions():
    for seed in range(10):
        load = lesson.input_of("load_record", hospital(seed, "tiny"))
        assert list(load.groupby("clients").size()) == [150] * 4 and load["ms"].min() > 0
        right = module.UnderLoad.solution(load)
        failed = load[(load["clients"] == 8) & (load["status"] != "0000")]["status"]
        assert 0 < sum(failed == "none") < sum(failed == "A700")
        assert right["clients"] == 8 and 5 <= right["failed"] <= 8 and right["p95"] < module.LIMIT


def test_sign_off_in_other_forms(editions):
    right = solved("Release", editions)
    for change in ({"decision": "c"}, {"decision": "C: no release"}, {"withdrawn": ", ".join(right["withdrawn"])},
                   {"blocking": set(right["blocking"])},
                   {"regressions": [name.lower() for name in right["regressions"]]},
                   {"blocking": [f"finding {name}"[8:] for name in right["blocking"]]}):
        assert judged("Release", editions, {**right, **change}).correct, change
    for change in ({"decision": "yes"}, {"blocking": right["blocking"][:1]}, {"blocking": right["blocking"] + right["withdrawn"]},
                   {"regressions": []},
                   {"withdrawn": right["blocking"]}, {"decision": "B"}):
        assert judged("Release", editions, {**right, **change}).outcome is Outcome.NOT_YET, change


def test_sign_off_is_told_why_one_does_not_belong(editions):
    right, findings = solved("Release", editions), lesson.input_of("findings", editions.own)
    results = lesson.input_of("results", editions.own)
    mild = next(name for name in findings.index if name not in right["blocking"] + right["withdrawn"])
    old = [name for name in results.index if results["release 6"][name] == "not met" and name in set(findings["requirement"])]
    for entry, extra, part in (
        ("blocking", mild, "not of severity 1"), ("blocking", right["withdrawn"][0], "blocks nothing"), ("withdrawn", mild, "does forbid"),
        ("regressions", old[0], "in release 6"),
    ):
        message = judged("Release", editions, {**right, entry: [*right[entry], extra]}).message
        assert part in message, message
    assert "written like F1." in judged("Release", editions, {**right, "withdrawn": ["R07"]}).message
    assert "the rule for **C**" in judged("Release", editions, {**right, "decision": "B"}).message


def test_the_findings_on_many_editions():
    for seed in range(10):
        own = hospital(seed, "tiny")
        results, findings = lesson.input_of("results", own), lesson.input_of("findings", own)
        truth = module._run(own)[2]
        assert set(findings["requirement"]) == set(results[results["release 7"] == "not met"].index) and findings["requirement"].is_unique
        right = module.Release.solution(results, findings)
        assert right["withdrawn"] == [name for name, (_, free) in truth.items() if free]
        assert right["blocking"] == [name for name, (harm, free) in truth.items() if harm and not free]
        assert right["blocking"] and right["withdrawn"] and right["regressions"] and right["decision"] == "C"
        assert list(findings.columns) == ["requirement", "seen", "at work"] and findings["seen"].str.contains("Expected: ").all()


# The words

def test_no_question_hint_or_feedback_names_a_candidate():
    for exercise in lesson.exercises:
        for text in (exercise.question, *exercise.hints, *exercise.wrong_ways.values()):
            assert not any(re.search(rf"\b{name}\b", text) for name in FAULTY if "_" in name), text
