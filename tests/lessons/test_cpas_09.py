"""What learners give in lesson cpas-09 beyond the solutions and wrong ways, and the data that they are asked about."""

import datetime
import random
import re

import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.errors import CourseError
from coursekit.hospital import hospital, router
from coursekit.lessons.cpas_09_prefetching import FetchPlan, LastMoment, Relevant, Route, lesson

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
    assert judged("NoImages", editions, "c)", str(frame)).correct and judged("NoImages", editions, "C", f"frame {frame}").correct
    log = solved("MovesToRepeat", editions)
    assert judged("MovesToRepeat", editions, {"repeat": ", ".join(map(str, log["repeat"])), "arrived": float(log["arrived"])}).correct
    assert judged("MovesToRepeat", editions, {"arrived": log["arrived"], "repeat": {str(one) for one in log["repeat"]}}).correct


def test_functions_in_other_forms_are_right(editions):
    from coursekit.lessons.cpas_09_prefetching import ACCEPTS, REGION

    def relevant(current, prior):
        age = current["date"] - prior["date"]
        sides = {current["side"], prior["side"]} - {None}
        return (prior["study_uid"] != current["study_uid"] and datetime.timedelta(0) <= age <= datetime.timedelta(1826)
                and prior["body_part"] in REGION and current["body_part"] in REGION
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
        return dict(sorted(times.items()))

    def route(header):
        wanted = {"HV_PACS"}
        if header["Modality"] == "MG":
            wanted.add("WS_MG1")
        if header["Modality"] == "CT" and "thin" in re.split(r"[\W_]+", header["SeriesDescription"].lower()):
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
    for given in (lambda messages: [one["accession"] for one in messages],
                  lambda messages: [(one["accession"], one["start"]) for one in messages]):
        assert judged("FetchPlan", editions, given).label == "unreadable"
    assert judged("Route", editions, lambda header: ["HV_PACS"]).outcome is Outcome.NOT_YET


@pytest.mark.parametrize("given", [
    {"chest": r"(?i)\bchest\b(?!\s+tube)", "mr": r"^[Mm][Rr]\b", "thin": r"(?i)(^|[\W_])thin([\W_]|$)"},
    {"Chest": r"(?i)\bchest\b(?! ?tube)", "MR": r"(?i)^mr(\W|$)", "thin": r"(?<![A-Za-z0-9])[Tt][Hh][Ii][Nn](?![A-Za-z0-9])"},
    '{"chest": "(?i)(^|[^a-z])chest([^a-z]|$)(?!tube)", "mr": "(?i)^mr([^a-z]|$)", "thin": "(?i)(\\\\b|_)thin(\\\\b|_)"}',
])
def test_other_patterns_that_work_are_right(editions, given):
    verdict = judged("Patterns", editions, given)
    assert verdict.correct, verdict


@pytest.mark.parametrize(("change", "says"), [
    ({"chest": "*chest*"}, "a * repeats"), ({"chest": "(?i)chest(?! tube"}, "never closed"), ({"mr": "^mr(?i)"}, "at the very beginning"),
    ({"chest": "chest)"}, "never opened"), ({"thin": r"(?i)\bthin\b"}, "an underscore for a letter"),
    ({"chest": "(?i)chest"}, "takes"), ({"mr": "(?i)^mr"}, "MRM"), ({"mr": "(?i)mr"}, "takes"),
    ({"thin": "(?i)thin"}, "takes"), ({"thin": r"\bthin\b"}, "misses"), ({"thin": ".*"}, "should not"), ({"chest": "XR CHEST P"}, "misses"),
    ({"thin": 5}, "a text in quotes"), ({"thin": ""}, "a text in quotes"), ({"mr": ...}, "still open"), ({"thick": "x"}, "three entries"),
    ({"chest": "\bchest\b"}, "an `r` before the quotes"),
    ({"chest": r"(?i)chest(?! tube)"}, "takes"), ({"chest": r"(?i)chest\b(?! tube)"}, "HEMICHEST"),
    ({"chest": r"(?i)\bchest(?! tube)"}, "CHESTER"), ({"chest": r"(?i)\bchest\b(?!.*tube)"}, "next to each other"),
    ({"chest": r"(?i)^(?!.*tube).*\bchest\b"}, "next to each other"), ({"thin": r"(?i)\bthin\b|_thin"}, "THIN_1.0 CHEST"),
    ({"thin": r"(?i)\bthin\b|_thin|thin_"}, "takes 'Cortex_thinned"),
    ({"thin": r"(?i)( |_|-)thin|^thin\b"}, "Bone,thin"), ({"thin": r"(?i)\bthin\b|_thin\b"}, "*behind* the word"),
    ({"thin": r"(?i)(\b|_)thin"}, "hinned"), ({"thin": r"(?i)thin(\b|_)"}, "within"),
    ({"thin": r"(?i)(^|[ _-])thin($|[ _-])"}, "have listed"), ({"mr": r"(?i)^MR[ /-]"}, "misses"),
    ({"mr": r"(?i)^mr[^a-z]"}, "misses 'MR'"), ({"mr": r"(?i)^mr(?!n|sa)"}, "takes 'MRM"),
    ({"chest": r"(?i)\bchest\b($| [^t])"}, "misses"), ({"chest": r"(?i)\bchest\b(?! t)"}, "misses 'CHEST TRA"),
    ({"chest": r"(?i)(^| )chest( |$)(?!tube)"}, "misses"), ({"chest": r"(?i)(^|[ /_-])chest($| )(?!tube)"}, "misses"),
    ({"chest": r"(?i)\bchest(?! tube)(?!pain)"}, "takes 'CHESTER"), ({"thin": r"(?i)([ _(,-]|^)thin([ _),-]|$)"}, "misses 'Bone/thin"),
    ({"thin": r"(?i)(^|_|\b)thin(?!n|2)"}, "takes"),
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
    skip = "(?i)topogram|localizer|mpr|bone|lung|chest.1|dose|protocol|dbt|cad|sag"
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


def test_numbers_written_otherwise_are_right(editions):
    rate, minutes = solved("MorningLine", editions), solved("LastMoment", editions)
    for given in (f"{rate} Mbit/s", f"{rate} mbit/s", f"{rate} Mbps", f"{rate / 1000:.5f} Gbit/s", rate, str(rate).replace(".", ",")):
        assert judged("MorningLine", editions, given).correct, given
    assert judged("LastMoment", editions, f"{int(minutes)}:{round(minutes % 1 * 60):02d}").correct
    assert judged("LastMoment", editions, f"{int(minutes) + 1}:00").outcome is Outcome.NOT_YET
    assert judged("LastMoment", editions, round(minutes, 2)).correct and judged("LastMoment", editions, f"{minutes:.2f}").correct


@pytest.mark.parametrize("seed", range(10))
def test_a_second_that_was_forgotten_shows(seed):
    own = Editions(hospital(seed, "tiny"))
    minutes = solved("LastMoment", own)
    online = (lesson.input_of("coming", own.own).tier == "online").sum()
    assert judged("LastMoment", own, round(minutes, 2)).correct
    assert judged("LastMoment", own, round(minutes - online / 60, 2)).label == "without_the_online_wait"


def test_mistakes_in_numbers_are_named(editions):
    hours, coming = lesson.input_of("by_hour", editions.own), lesson.input_of("coming", editions.own)
    three = hours[hours.hour.isin([8, 9, 10])].gb.sum()
    for given, says in ((three * 8000 / 60, "a rate a minute"), (round(three * 8000 / 60, 1), "a rate a minute"),
                        (three * 8000, "an amount"), (three * 1000 / 3600, "megabytes a second"), (three * 8 / 3600, "gigabits"),
                        (hours[hours.hour.isin([8, 9])].gb.sum() * 8000 / 3600, "`hour` 10"),
                        (hours[hours.hour.isin([7, 8, 9])].gb.sum() * 8000 / 3600, "7, 8 and 9")):
        assert says in judged("MorningLine", editions, given).message
    seconds = coming.tier.map({"online": 1, "nearline": 90}).sum() + coming.mb.sum() * 8 / 200
    assert "in seconds" in judged("LastMoment", editions, seconds).message
    right = solved("HitAndWaste", editions)
    full_day = lesson.input_of("full_day", editions.own)
    by_size = 100 * full_day[full_day.moved & full_day.opened].mb.sum() / full_day[full_day.opened].mb.sum()
    assert "in megabytes" in judged("HitAndWaste", editions, {**right, "hit": by_size}).message
    log, responses = solved("MovesToRepeat", editions), lesson.input_of("responses", editions.own)
    assert "all rows of it" in judged("MovesToRepeat", editions, {**log, "arrived": responses.completed.sum()}).message
    last = responses.groupby("move").last()
    for status, says in (("FE00", "was cancelled"), ("A801", "unknown destination"), ("A702", "lack of resources"),
                         ("FF00", "still at it")):
        repeat = [move for move in log["repeat"] if last.status[move] != status]
        assert says in judged("MovesToRepeat", editions, {**log, "repeat": repeat}).message


def test_the_numbers_of_the_replay_are_told_each_by_itself():
    """In the whole edition, where both differ from those of the one day."""
    own = Editions(hospital(0), lambda: [])
    right = solved("HitAndWaste", own)
    outcome = lesson.input_of("router", own.own).replay(lesson.input_of("old_rules", own.own)).outcome
    assert abs(outcome["hit"] - right["hit"]) > 1 and abs(outcome["waste"] - right["waste"]) > 1
    for name in ("hit", "waste"):
        assert "numbers of the replay" in judged("HitAndWaste", own, {**right, name: outcome[name]}).message
    assert judged("HitAndWaste", own, right).correct


def test_a_row_or_a_status_is_no_frame(editions):
    assert "number of the row" in judged("NoImages", editions, "C", 4).message
    assert "column `frame`" in judged("NoImages", editions, "C", "A801").message
    assert "counted the rows" in judged("NoImages", editions, "C", 5).message


def _relevant(same_region=None, same_side=None, images=None):
    """A function as a learner writes it, with one condition of their own."""
    from coursekit.lessons.cpas_09_prefetching import REGION

    def region(current, prior):
        found = REGION.get(prior["body_part"])
        return found is not None and found == REGION.get(current["body_part"])

    def side(current, prior):
        return not prior["side"] or not current["side"] or prior["side"] == current["side"]

    def some(current, prior):
        return not set(prior["modalities"]) <= {"SR", "PR", "KO"}

    def relevant(current, prior):
        age = (current["date"] - prior["date"]).days
        return (prior["study_uid"] != current["study_uid"] and 0 <= age <= 1826
                and all(rule(current, prior) for rule in (same_region or region, same_side or side, images or some)))

    return relevant


def test_body_parts_that_the_table_does_not_have(editions):
    from coursekit.lessons.cpas_09_prefetching import REGION
    assert judged("Relevant", editions, _relevant()).correct
    for rule, label in (
            (lambda current, prior: REGION.get(prior["body_part"]) == REGION.get(current["body_part"]), "unknown_like_unknown"),
            (lambda current, prior: REGION.get(prior["body_part"], prior["body_part"]) == REGION.get(
                current["body_part"], current["body_part"]), "same_unknown_text"),
            (lambda current, prior: REGION[prior["body_part"]] == REGION[current["body_part"]], "error")):
        verdict = judged("Relevant", editions, _relevant(same_region=rule))
        assert verdict.outcome is Outcome.NOT_YET and verdict.label == label, verdict


def test_sides_and_modalities_half_right(editions):
    for rule, label in ((lambda current, prior: not prior["side"] or prior["side"] == current["side"], "side_of_the_prior"),
                        (lambda current, prior: not current["side"] or prior["side"] == current["side"], "side_of_the_exam")):
        assert judged("Relevant", editions, _relevant(same_side=rule)).label == label
    one = _relevant(images=lambda current, prior: prior["modalities"] not in (["SR"], ["PR"], ["KO"]))
    assert judged("Relevant", editions, one).label == "one_kind_alone"
    first = _relevant(images=lambda current, prior: prior["modalities"][0] not in ("SR", "PR", "KO"))
    assert judged("Relevant", editions, first).label == "first_modality_alone"


def test_the_ends_of_the_time_are_tried(editions):
    for low, high, label in ((1, 1826, "not_of_the_same_day"), (0, 1825, "the_last_day_too_much"), (0, 1827, "a_day_too_many"),
                             (0, 9999, "any_age"), (-9999, 1826, "later_ones_too")):
        def within(current, prior, low=low, high=high):
            moved = {**prior, "date": current["date"]}
            return low <= (current["date"] - prior["date"]).days <= high and _relevant()(current, moved)
        verdict = judged("Relevant", editions, within)
        assert verdict.label == label, verdict


def test_several_mistakes_at_once_are_named(editions):
    from coursekit.lessons.cpas_09_prefetching import REGION
    wrong = _relevant(lambda current, prior: REGION.get(prior["body_part"]) == REGION.get(current["body_part"]),
                      lambda current, prior: prior["side"] == current["side"],
                      lambda current, prior: not set(prior["modalities"]) & {"SR", "PR", "KO"})
    verdict = judged("Relevant", editions, wrong)
    assert verdict.label in ("no_reports_at_all", "unknown_like_unknown", "side_must_be_given") and "More than one" in verdict.message


def test_orders_that_come_back_after_a_cancellation(editions):
    def plan(messages, after_cancel=("NW", "XO"), takes=("NW", "XO"), emptied=False):
        found, gone = {}, set()
        for one in messages:
            accession = one["accession"]
            if one["control"] in takes and (accession not in gone or one["control"] in after_cancel):
                found[accession] = one["start"]
                gone.discard(accession)
            if one["control"] == "CA":
                found.pop(accession, None)
                gone.add(accession)
                if emptied:
                    found[accession] = None
        return found

    assert judged("FetchPlan", editions, plan).correct
    for label, change in (("cancelled_for_ever", {"after_cancel": ()}), ("no_change_after_cancel", {"after_cancel": ("NW",)}),
                          ("cancelled_is_kept_empty", {"emptied": True}), ("unknown_codes_too", {"takes": ("NW", "XO", "NA")}),
                          ("any_code", {"takes": ("NW", "XO", "NA", "SC")})):
        if label == "cancelled_for_ever":
            def wrong(messages):
                gone = {one["accession"] for one in messages if one["control"] == "CA"}
                return {accession: start for accession, start in plan(messages).items() if accession not in gone}
        elif "takes" in change:
            def wrong(messages, change=change):
                return plan(messages, after_cancel=change["takes"], **change)
        else:
            def wrong(messages, change=change):
                return plan(messages, **change)
        assert judged("FetchPlan", editions, wrong).label == label


def test_body_parts_are_asked_for_as_they_stand(editions):
    relevant = EXERCISES["Relevant"].solution

    def in_capitals(current, prior):
        upper = lambda one: {**one, "body_part": one["body_part"] and one["body_part"].upper()}
        return relevant(upper(current), upper(prior))

    def without_blanks(current, prior):                     # blanks around a CS don't count (PS3.5, 6.2)
        strip = lambda one: {**one, "body_part": one["body_part"] and one["body_part"].strip()}
        return relevant(strip(current), strip(prior))

    assert judged("Relevant", editions, in_capitals).label == "in_capitals"
    assert judged("Relevant", editions, without_blanks).correct
    assert judged("Relevant", editions, Relevant.first_of_its_modalities).label == "first_of_its_modalities"
    assert judged("Relevant", editions, Relevant.whatever_has_a_report).label == "whatever_has_a_report"


def test_patterns_may_be_compiled(editions):
    right = solved("Patterns", editions)
    compiled = {name: re.compile(text) for name, text in right.items()}
    assert judged("Patterns", editions, compiled).correct
    flagged = {name: re.compile(text.replace("(?i)", ""), re.IGNORECASE) for name, text in right.items()}
    assert judged("Patterns", editions, flagged).correct and judged("Patterns", editions, {**right, "mr": flagged["mr"]}).correct
    assert not judged("Patterns", editions, {**right, "mr": re.compile("^mr")}).correct
    between_letters = {**right, "thin": "(?i)(^|[^a-z])thin($|[^a-z])"}
    assert judged("Patterns", editions, between_letters).label == "digits_as_borders"
    assert judged("Patterns", editions, {**right, "thin": "(?i)(^|[^a-z0-9])thin($|[^a-z0-9])"}).correct


def test_titles_are_a_list_letter_for_letter(editions):
    route = EXERCISES["Route"].solution
    assert judged("Route", editions, lambda header: set(route(header))).correct
    assert judged("Route", editions, lambda header: [aet.lower() for aet in route(header)]).label == "in_small_letters"
    assert "stands twice" in judged("Route", editions, lambda header: route(header) + route(header)[:1]).message
    assert "one text" in judged("Route", editions, lambda header: ",".join(route(header))).message
    assert judged("Route", editions, Route.thin_between_letters_alone).label == "thin_between_letters_alone"
    assert judged("Route", editions, Route.stat_ct_alone).label == "stat_ct_alone"


def test_minutes_and_seconds_and_what_is_rounded_too_far(editions):
    right = solved("LastMoment", editions)
    seconds = round(right * 60)
    whole, rest = divmod(seconds, 60)
    for form in (f"{whole} min {rest} s", f"{whole}:{rest:02d}", f"{whole} minutes, {rest} seconds"):
        assert judged("LastMoment", editions, form).correct, form
    assert "you rounded too far" in judged("LastMoment", editions, EXERCISES["LastMoment"].computed(
        LastMoment.without_the_online_wait, editions.own)).message
    assert judged("LastMoment", editions, right - 15).label == "without_the_reserve"


def test_moves_by_their_word(editions):
    right = solved("MovesToRepeat", editions)
    numbers = [str(one) for one in right["repeat"]]
    for form in ("moves " + ", ".join(numbers[:-1]) + " and " + numbers[-1], [f"move {one}" for one in numbers]):
        assert judged("MovesToRepeat", editions, {**right, "repeat": form}).correct, form


def test_a_cancellation_counts_whatever_its_time(editions):
    assert judged("FetchPlan", editions, FetchPlan.cancelled_at_its_own_time).label == "cancelled_at_its_own_time"


def test_a_new_order_may_come_twice(editions):
    def plan(messages):
        found = {}
        for one in messages:
            if one["control"] == "XO" or one["control"] == "NW" and one["accession"] not in found:
                found[one["accession"]] = one["start"]
            if one["control"] == "CA":
                found.pop(one["accession"], None)
        return found

    assert judged("FetchPlan", editions, plan).label == "second_new_is_ignored"


def test_routes_half_right(editions):
    from coursekit.lessons.cpas_09_prefetching import ACCEPTS

    def route(header, thin=r"(?i)(\b|_)thin(\b|_)", archive=False, removing=False, words="", stat=("CT", "CR", "DX")):
        wanted, text = ["HV_PACS"], header["SeriesDescription"]
        if header["Modality"] == "MG":
            wanted.append("WS_MG1")
        if header["Modality"] == "CT" and ("thin" in re.split(words, text.lower()) if words else re.search(thin, text)):
            wanted.append("WS_CH1")
        if header["Priority"] == "STAT" and header["Modality"] in stat or stat == "always":
            wanted.append("WS_ED1")

        def fine(aet):
            return aet != header["ReceivedFrom"] and (header["TransferSyntaxUID"] in ACCEPTS[aet] or archive and aet == "HV_PACS")
        if removing:
            for aet in wanted:
                if not fine(aet):
                    wanted.remove(aet)
            return wanted
        return tuple(aet for aet in wanted if fine(aet))

    assert judged("Route", editions, route).correct
    for change, label in (({"archive": True}, "archive_takes_all"), ({"removing": True}, "takes_out_while_going"),
                          ({"words": " "}, "thin_between_blanks"), ({"thin": r"(?i)\bthin\b"}, "thin_without_underscore"),
                          ({"thin": "(?i)thin"}, "thin_anywhere"), ({"words": "[ _-]"}, "thin_between_few_signs"),
                          ({"thin": "(?i)(^|[ _-])thin($|[ _-])"}, "thin_between_few_signs"),
                          ({"thin": r"(?i)\bthin\b|_thin\b"}, "thin_with_an_underscore_before"),
                          ({"thin": r"(?i)(\b|_)thin"}, "thin_begins_a_word"), ({"stat": "always"}, "or_stands_alone")):
        assert judged("Route", editions, lambda header, change=change: route(header, **change)).label == label
    assert all("1.2.840.10008.1.2" in uids for uids in ACCEPTS.values())            # the default that each application must take


def test_rules_with_more_priors_are_right_when_the_waste_allows_it(editions):
    assert judged("TheRuleFile", editions, [{**rule, "count": 3} for rule in RULES]).correct


def test_rules_without_presentation_states_are_refused():
    own = Editions(hospital(3, "tiny"), lambda: [hospital(102, "tiny")])
    mammograms = {**{name: value for name, value in RULES[-1].items() if name != "skip"}, "series": "(?i)ffdm"}
    rules = [*RULES[:-1], mammograms]
    assert judged("TheRuleFile", own, RULES).correct
    assert "Presentation state" in judged("TheRuleFile", own, rules).message
    exams = lesson.input_of("exams", own.own)
    outcome = {**router.replay(exams, router.rules_of(RULES)), "series_names": "PORTAL VENOUS 3.0", "short": {"Presentation state": 1}}
    (said,) = EXERCISES["TheRuleFile"].faults(outcome)
    assert "without what the reader had looked at" in said and "PORTAL VENOUS 3.0" in said


def test_series_are_written_otherwise_elsewhere(editions):
    found = {}
    for seed in (0, 101, 102):
        exams = lesson.input_of("exams", hospital(seed, "tiny"))
        names = {one.description for exam in exams for prior in exam.priors for one in prior.series}
        found[seed] = {name for name in names if re.fullmatch("(?i)portal.venous.3.0", name)}
        assert "Presentation state" in names
    assert found == {0: {"Portal venous 3.0"}, 101: {"Portal_venous_3.0"}, 102: {"PORTAL VENOUS 3.0"}}
    for seed in (101, 102):
        own = Editions(hospital(0, "tiny"), lambda seed=seed: [hospital(seed, "tiny")])
        assert judged("TheRuleFile", own, RULES).correct
    exact = [{**rule, "series": "^(Chest 3.0|PE 1.0 thin|Portal venous 3.0|Presentation state|Key images)$"} if "series" in rule else rule
             for rule in RULES]
    verdict = judged("TheRuleFile", own, exact)
    assert verdict.outcome is Outcome.NOT_YET, verdict
    assert "Mind how series are written there" in verdict.message or verdict.label == "names_as_written"


def test_times_of_a_plan_may_be_times(editions):
    import pandas as pd
    plan = EXERCISES["FetchPlan"].solution
    for made in (pd.Timestamp, datetime.datetime.fromisoformat, lambda text: text + ":00"):
        assert judged("FetchPlan", editions, lambda messages, made=made: {
            accession: made(start) for accession, start in plan(messages).items()}).correct
    late = judged("FetchPlan", editions, lambda messages: {
        accession: pd.Timestamp(start) + pd.Timedelta("1h") for accession, start in plan(messages).items()})
    assert "another time" in late.message


def test_kinds_without_images_that_were_forgotten(editions):
    for kinds, label in (({"SR", "PR"}, "key_images_are_images"), ({"SR", "KO"}, "states_are_images"), ({"SR"}, "reports_alone_are_none")):
        def some(current, prior, kinds=kinds):
            return not set(prior["modalities"]) <= kinds
        assert judged("Relevant", editions, _relevant(images=some)).label == label


def test_a_chain_of_and_that_hands_on_none_is_told_what_it_does(editions):
    from coursekit.lessons.cpas_09_prefetching import REGION

    def relevant(current, prior):
        here, there = REGION.get(current["body_part"]), REGION.get(prior["body_part"])
        return here and there and here == there and _relevant()(current, prior)

    verdict = judged("Relevant", editions, relevant)
    assert verdict.label == "unreadable" and "put `bool(...)` round all of it. If not: Is a `return` missing?" in verdict.message
    assert judged("Relevant", editions, lambda current, prior: bool(relevant(current, prior))).correct


def test_routes_by_the_beginning_of_a_syntax_and_to_nowhere(editions):
    from coursekit.lessons.cpas_09_prefetching import ACCEPTS, JPEG_2000
    route = EXERCISES["Route"].solution

    def by_its_beginning(header):
        wanted = route({**header, "TransferSyntaxUID": "1.2.840.10008.1.2"})
        return [aet for aet in wanted if any(header["TransferSyntaxUID"].startswith(uid) for uid in ACCEPTS[aet])]

    assert "Compare the whole UID" in judged("Route", editions, by_its_beginning).message
    nowhere = judged("Route", editions, lambda header: ["HV_PACS"] if header["TransferSyntaxUID"] == JPEG_2000 and
                     header["ReceivedFrom"] != "HV_PACS" and header["Modality"] == "US" else route(header))
    assert "The list must be empty" in nowhere.message, nowhere
    for pattern in ("(?i)(^|_|\\b)thin(?!n|2)", "(?i)([ _(,-]|^)thin([ _),-]|$)"):
        def thin(header, pattern=pattern):
            return route({**header, "SeriesDescription": "thin" if re.search(pattern, header["SeriesDescription"]) else ""})
        assert judged("Route", editions, thin).outcome is Outcome.NOT_YET


def test_likely_slips_in_numbers_are_named(editions):
    right, minutes, rate = (solved(name, editions) for name in ("HitAndWaste", "LastMoment", "MorningLine"))
    assert "the misses" in judged("HitAndWaste", editions, {**right, "hit": 100 - right["hit"]}).message
    coming = lesson.input_of("coming", editions.own)
    assert "for each tier" in judged("LastMoment", editions, 15 + (91 + coming.mb.sum() * 8 / 200) / 60).message
    assert not judged("MorningLine", editions, rate + 0.1).correct and not judged("MorningLine", editions, rate - 0.1).correct
    assert not judged("LastMoment", editions, minutes + 0.02).correct and not judged("LastMoment", editions, minutes - 0.02).correct


def test_what_is_still_moved_for_nothing_is_told_to_rules_that_pass():
    own = Editions(hospital(0, "tiny"), lambda: [])
    all_thin = [{**rule, "series": rule["series"] + "|chest.1"} if "series" in rule else rule for rule in RULES]
    for rules in (RULES, all_thin):
        verdict = EXERCISES["TheRuleFile"].judge((rules,), own)
        waste = lesson.input_of("router", own.own).replay(rules).outcome["waste"]
        assert verdict.correct is (waste <= 30) and ("the heaviest series of it" in verdict.message) is (12 < waste <= 30)


def test_a_day_has_each_study_once(editions):
    day = lesson.input_of("full_day", editions.own)
    exams = [exam for exam in lesson.input_of("exams", editions.own) if exam.day == 0]
    opened = {prior.uid for exam in exams for prior in exam.priors if prior.opened}
    moved = {move.prior.uid for move in router.moves(exams, router.rules_of(lesson.input_of("old_rules", editions.own)))}
    assert (day.opened.sum(), day.moved.sum(), len(day)) == (len(opened), len(moved), len(opened | moved))
