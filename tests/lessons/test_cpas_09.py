"""What learners give in lesson cpas-09 beyond the solutions and wrong ways, and the data that they are asked about."""

import datetime
import random
import re

import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.errors import CourseError
from coursekit.hospital import hospital, router
from coursekit.lessons.cpas_09_prefetching import lesson

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}
RULES = EXERCISES["TheRuleFile"].solution()


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"), lambda: [hospital(201, "tiny")])


def judged(name, editions, *given):
    return EXERCISES[name].judge(given, editions)


def solved(name, editions):
    return EXERCISES[name].computed(EXERCISES[name].solution, editions.own)


def test_right_answers_in_other_forms_are_right(editions):
    right = solved("HitAndWaste", editions)
    assert judged("HitAndWaste", editions, {"Waste": f"{right['waste']} %", "hit": str(right["hit"])}).correct
    minutes = solved("LastMoment", editions)
    assert judged("LastMoment", editions, f"{minutes} min").correct and judged("LastMoment", editions, f"{minutes * 60} s").correct
    rate = solved("MorningLine", editions)
    assert judged("MorningLine", editions, f"{rate}").correct
    letter, frame = solved("NoImages", editions)
    assert judged("NoImages", editions, "c)", str(frame)).correct
    log = solved("MovesToRepeat", editions)
    assert judged("MovesToRepeat", editions, {"repeat": ", ".join(map(str, log["repeat"])), "arrived": float(log["arrived"])}).correct
    assert judged("MovesToRepeat", editions, {"arrived": log["arrived"], "repeat": {str(one) for one in log["repeat"]}}).correct


def test_functions_in_other_forms_are_right(editions):
    from coursekit.lessons.cpas_09_prefetching import ACCEPTS, REGION

    def relevant(current, prior):
        age = current["date"] - prior["date"]
        sides = {current["side"], prior["side"]} - {None}
        return (prior["study_uid"] != current["study_uid"] and datetime.timedelta(0) <= age <= datetime.timedelta(1826)
                and REGION[prior["body_part"]] == REGION[current["body_part"]] and len(sides) < 2
                and any(one not in ("SR", "PR", "KO") for one in prior["modalities"]))

    def plan(messages):
        times = {}
        for one in messages:
            match one["control"]:
                case "CA":
                    if one["accession"] in times:
                        del times[one["accession"]]
                case "NW" | "XO":
                    times[one["accession"]] = one["start"]
        return sorted(times.items())

    def route(header):
        wanted = {"HV_PACS"}
        if header["Modality"] == "MG":
            wanted.add("WS_MG1")
        if header["Modality"] == "CT" and "thin" in re.split(r"\W+", header["SeriesDescription"].lower()):
            wanted.add("WS_CH1")
        if header["Priority"] == "STAT" and header["Modality"] in {"CT", "CR", "DX"}:
            wanted.add("WS_ED1")
        return {aet for aet in wanted - {header["ReceivedFrom"]} if header["TransferSyntaxUID"] in ACCEPTS[aet]}

    assert judged("Relevant", editions, relevant).correct
    assert judged("FetchPlan", editions, plan).correct
    assert judged("Route", editions, route).correct
    assert judged("Relevant", editions, lambda current, prior: int(relevant(current, prior))).correct
    for given in (lambda current, prior: 2, lambda current, prior: print(), lambda current, prior: "yes"):
        assert judged("Relevant", editions, given).label == "unreadable"
    assert "has lost it" in judged("FetchPlan", editions, lambda messages: {}).message
    assert judged("FetchPlan", editions, lambda messages: [one["accession"] for one in messages]).label == "unreadable"
    assert judged("Route", editions, lambda header: ["HV_PACS"]).outcome is Outcome.NOT_YET


@pytest.mark.parametrize("given", [
    {"chest": r"(?i)\bchest\b(?!\s+tube)", "mr": r"^[Mm][Rr]\b", "thin": r"(?i)(^|\W)thin(\W|$)"},
    {"Chest": r"(?i)chest(?! ?tube)", "MR": r"(?i)^mr(\W|$)", "thin": r"\b[Tt][Hh][Ii][Nn]\b"},
    '{"chest": "(?i)chest(?! tube)", "mr": "(?i)^mr[^a-z]", "thin": "(?i)\\\\bthin\\\\b"}',
])
def test_other_patterns_that_work_are_right(editions, given):
    verdict = judged("Patterns", editions, given)
    assert verdict.correct, verdict


@pytest.mark.parametrize(("change", "says"), [
    ({"chest": "*chest*"}, "cannot be read"), ({"chest": "(?i)chest"}, "takes"), ({"mr": "(?i)^mr"}, "MRN"), ({"mr": "(?i)mr"}, "takes"),
    ({"thin": "(?i)thin"}, "takes"), ({"thin": r"\bthin\b"}, "misses"), ({"thin": ".*"}, "should not"), ({"chest": "XR CHEST P"}, "misses"),
    ({"thin": 5}, "a text in quotes"), ({"thin": ""}, "a text in quotes"), ({"mr": ...}, "still open"), ({"thick": "x"}, "three entries"),
    ({"chest": "\bchest\b"}, "an `r` before the quotes"),
])
def test_patterns_that_do_not_work_are_refused_with_what_they_do(editions, change, says):
    verdict = judged("Patterns", editions, {**EXERCISES["Patterns"].solution(), **change})
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def test_rules_in_other_forms_are_right(editions):
    assert judged("TheRuleFile", editions, [{name.upper(): value for name, value in rule.items()} for rule in RULES]).correct
    as_text = [{**rule, "modality": ", ".join(rule["modality"]).lower(), "count": str(rule["count"])} for rule in RULES]
    assert judged("TheRuleFile", editions, as_text).correct
    assert judged("TheRuleFile", editions, RULES[::-1]).correct
    assert judged("TheRuleFile", editions, RULES + RULES).correct                       # what two rules ask for is moved once
    assert judged("TheRuleFile", editions, [{**rule, "hours": 11.5} for rule in RULES]).correct
    # Without `series`, but with everything heavy that nobody looks at left out.
    skip = "Topogram|Localizer|MPR|bone|Lung|Chest 1|Dose|protocol|DBT|CAD|sag"
    by_skip = [{**{name: value for name, value in rule.items() if name != "series"}, "skip": skip} for rule in RULES]
    assert judged("TheRuleFile", editions, by_skip).correct


def test_rules_that_look_right_but_miss_a_kind_of_prior_are_refused():
    """CHEST alone finds neither CT PULMONARY ANGIO nor THORAX without a description; `thin` throws out the only series of some priors."""
    skip = "thin|MPR|bone|Topogram|DBT|Dose|Localizer"
    plain = [{**{name: value for name, value in rule.items() if name != "series"}, "skip": skip,
              "body_part": "CHEST" if "chest" in rule["body_part"] else rule["body_part"]} for rule in RULES]
    for seed in range(10):
        own = Editions(hospital(seed, "tiny"), lambda: [hospital(101, "tiny"), hospital(102, "tiny")])
        assert judged("TheRuleFile", own, plain).outcome is Outcome.NOT_YET


@pytest.mark.parametrize(("change", "says"), [
    (lambda rules: rules[0], "only"), (lambda rules: rules[:6], "breast"), (lambda rules: rules[1:], "radiographs"),
    (lambda rules: rules[:4] + rules[5:], "abdomen"), (lambda rules: [{**rule, "hours": 30} for rule in rules], "purged"),
    (lambda rules: [{**rule, "hours": 3} for rule in rules], "busy"), (lambda rules: [{**rule, "years": 0} for rule in rules], "hit"),
    (lambda rules: [{**rule, "count": 0} for rule in rules], "hit"),
    (lambda rules: [{**rule, "body_part": rule["body_part"].replace("(?i)", "")} for rule in rules], "hit"),
    (lambda rules: [{**rule, "body_part": "("} for rule in rules], "cannot be read"),
    (lambda rules: [{**rule, "modality": []} for rule in rules], "list of modalities"),
    (lambda rules: [{**rule, "destination": "WS_CH1"} for rule in rules], "does not know"),
    (lambda rules: [{name: value for name, value in rule.items() if name != "hours"} for rule in rules], "has no `hours`"),
    (lambda rules: [{**rule, "count": 1.5} for rule in rules], "whole number"),
    (lambda rules: [{**rule, "years": "five"} for rule in rules], "number from"),
    (lambda rules: rules + [...], "still open"), (lambda rules: [], "list of dictionaries"), (lambda rules: ["CT"], "not a dictionary"),
    (lambda rules: rules * 6, "more than 40"),
])
def test_rules_that_do_not_work_are_refused_with_what_comes_of_them(editions, change, says):
    verdict = judged("TheRuleFile", editions, change(RULES))
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def test_the_router_of_the_notebook_refuses_rules_with_a_sentence(editions):
    bench = lesson.input_of("router", editions.own)
    for given in ([{"modality": "CT"}], "CT", 5, None, [...]):
        with pytest.raises(CourseError, match="The router does not take these rules"):
            bench.replay(given)
    assert "hit" in repr(bench.replay(RULES[0])) and "WS" not in repr(bench)


@pytest.mark.parametrize("seed", range(10))
def test_the_data_on_every_seed(seed):
    h = hospital(seed, "tiny")
    exams = lesson.input_of("exams", h)
    assert {exam.group for exam in exams} == set(router.GROUPS) and max(exam.day for exam in exams) == 0
    for exam in exams:
        assert 0 <= exam.begins < 86400 and exam.known <= exam.begins
        days = [prior.days for prior in exam.priors]
        assert days == sorted(days) and all(one > 0 for one in days)
        assert len(exam.priors) <= router.CANDIDATES
    coming = lesson.input_of("coming", h)
    assert (coming.tier == "nearline").sum() >= 2 and (coming.tier == "online").sum() >= 1
    texts = lesson.input_of("names_sorted", h)
    for name, pattern in EXERCISES["Patterns"].solution().items():
        assert all(re.search(pattern, text) for text in texts[name][0]) and not any(re.search(pattern, text) for text in texts[name][1])
        assert len(texts[name][0]) >= 5
    log = lesson.input_of("responses", h)
    assert (log[["remaining", "completed", "failed", "warning"]] >= 0).all().all()
    for _, move in log.groupby("move"):
        whole = {sum(row) for row in move[move.status != "A801"][["remaining", "completed", "failed", "warning"]].to_numpy().tolist()}
        assert len(whole) <= 1                              # the four counts of a move always add up to its images
    found = lesson.input_of("bad_move", h)
    assert h.capture("move_unknown").truth["frames"] == [EXERCISES["NoImages"].computed(EXERCISES["NoImages"].solution, h)[1]]
    assert list(found.message) == ["C-FIND-RQ", "C-FIND-RSP", "C-FIND-RSP", "C-MOVE-RQ", "C-MOVE-RSP"]


def test_stories_of_moved_and_cancelled_orders(editions):
    told = lesson.input_of("order_messages", editions.own)
    assert list(told.columns) == ["at_utc", "control", "accession", "start", "exam"]
    assert set(told.control) <= {"NW", "XO", "CA", "SC"}


def test_cases_hold_each_of_the_situations():
    for seed in range(5):
        pairs = EXERCISES["Relevant"].cases(random.Random(seed))
        said = [EXERCISES["Relevant"].solution(*pair) for pair in pairs]
        assert 15 <= sum(said) <= 90
        routes = [tuple(sorted(EXERCISES["Route"].solution(*case))) for case in EXERCISES["Route"].cases(random.Random(seed))]
        assert len(set(routes)) >= 6
        messages = [one for case, in EXERCISES["FetchPlan"].cases(random.Random(seed)) for one in case]
        assert {one["control"] for one in messages} == {"NW", "XO", "CA", "SC", "NA"}
