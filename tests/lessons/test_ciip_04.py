"""What learners give in lesson ciip-04 beyond the solutions and wrong ways, and the data that they are asked about."""

import json
import random

import numpy as np
import pandas as pd
import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.errors import CourseError
from coursekit.hospital import hospital
from coursekit.lessons import ciip_04_rfp_responses as ciip04
from coursekit.lessons.ciip_04_rfp_responses import TheAward, Testable, Turning, award, chance, euros, first, lesson, replay

EXERCISES = {exercise.name: exercise for exercise in lesson.exercises}
REQUIREMENT, RULES = Testable.solution(), TheAward.solution()


@pytest.fixture(scope="module")
def editions():
    return Editions(hospital(0, "tiny"), lambda: [hospital(201, "tiny")])


@pytest.fixture(scope="module")
def tender(editions):
    return editions.own.projects.tender


def judged(name, editions, *given):
    return EXERCISES[name].judge(given, editions)


def solved(name, editions):
    return EXERCISES[name].computed(EXERCISES[name].solution, editions.own)


def given_by(name, editions):
    return {one: lesson.input_of(one, editions.own) for one in name.split()}


# --- 1

def test_scores_in_other_forms_are_right(editions, tender):
    right = solved("OnPaper", editions)
    assert set(right) == set(tender.vendors) - set(tender.truth["knocked_out"])
    for vendor, score in right.items():
        assert abs(score - tender.technical[vendor]) < 0.02
    series = pd.Series(right, name="score").rename_axis("vendor")
    for given in (series, series.reset_index(), series.round(1), list(right.items()), {k.upper(): f"{v:.1f}" for k, v in right.items()},
                  series.sort_values(ascending=False), {k: np.float64(v) for k, v in right.items()}):
        assert judged("OnPaper", editions, given).correct, given


def test_scores_worked_out_by_hand_are_right(editions):
    inputs = given_by("answers requirements points category_weights", editions)
    by_id = {row.req_id: row for row in inputs["requirements"].itertuples()}
    found = {}
    for vendor, own in inputs["answers"].groupby("vendor"):
        if any(by_id[one.req_id].mandatory and one.code != "yes" for one in own.itertuples()):
            continue
        found[vendor] = 0.0
        for category, weight in inputs["category_weights"].items():
            ours = [one for one in own.itertuples() if by_id[one.req_id].category == category]
            got = sum(by_id[one.req_id].weight * inputs["points"][one.code] for one in ours)
            found[vendor] += weight * got / sum(by_id[one.req_id].weight * 4 for one in ours)
    assert judged("OnPaper", editions, found).correct


def test_scores_that_look_right_are_refused(editions, tender):
    right = solved("OnPaper", editions)
    for given in ({**right, "Veldstone": 0}, {vendor: score / 100 for vendor, score in right.items()}, dict(list(right.items())[:2]),
                  {vendor: round(score) for vendor, score in right.items()}, tender.technical, list(right), {v: None for v in right}):
        assert judged("OnPaper", editions, given).outcome is Outcome.NOT_YET, given
    assert judged("OnPaper", editions, tender.technical).label == "nobody_is_out"


# --- 2

def test_accusations_in_other_forms_are_right(editions, tender):
    right = solved("Contradicted", editions)
    assert {vendor: sorted(rows.req_id) for vendor, rows in right.groupby("vendor")} == {
        vendor: sorted(ids) for vendor, ids in tender.truth["contradicted"].items()}
    scu = right.assign(why=right.why.map({"user only": "SCU only", "not declared": "absent"}))
    numbers = right.assign(section=right.section.str.split().str[-1])
    for given in (scu, numbers, right.assign(role="x", evidence="y"), right.set_index(["vendor", "req_id"]), right.iloc[::-1],
                  right.to_dict("records"), right.assign(vendor=right.vendor.str.upper(), why=right.why.str.replace(" ", "_"))):
        assert judged("Contradicted", editions, given).correct, given


def test_a_loop_over_the_claims_is_right(editions):
    inputs = given_by("answers requirements statements sections", editions)
    evidence = dict(zip(inputs["requirements"].req_id, inputs["requirements"].evidence))
    roles = {(one.vendor, one.evidence): one.role for one in inputs["statements"].itertuples()}
    where = {(one.vendor, one.kind): one.section for one in inputs["sections"].itertuples()}
    rows = []
    for claim in inputs["answers"].itertuples():
        key = claim.vendor, evidence[claim.req_id]
        if claim.code == "yes" and key[1] and roles.get(key, "SCU") == "SCU":
            why = "user only" if key in roles else "not declared"
            rows.append((claim.vendor, claim.req_id, where[claim.vendor, key[1][:3]], why))
    assert judged("Contradicted", editions, rows).correct


def test_a_wrong_accusation_is_told_what_speaks_for_the_vendor(editions):
    right, inputs = solved("Contradicted", editions), given_by("answers requirements statements sections", editions)
    both = inputs["answers"].merge(inputs["requirements"], on="req_id")
    admitted = both[(both.code != "yes") & (both.evidence != "")].iloc[0]
    silent = both[(both.code == "yes") & (both.evidence == "")].iloc[0]
    proven = inputs["statements"][inputs["statements"].role == "SCU/SCP"].merge(both[both.code == "yes"], on=["vendor", "evidence"]).iloc[0]
    for one, says in ((admitted, "who admits"), (silent, "Not proven is not contradicted"), (proven, "includes the provider")):
        row = {"vendor": one.vendor, "req_id": one.req_id, "section": "IHE IS 2", "why": "not declared"}
        more = pd.concat([right, pd.DataFrame([row])])
        assert says in judged("Contradicted", editions, more).message
    unknown = pd.concat([right, pd.DataFrame([{"vendor": "Quillhaven", "req_id": "R999", "section": "1", "why": "user only"}])])
    assert "There is no such answer" in judged("Contradicted", editions, unknown).message


def test_accusations_that_look_right_are_refused(editions):
    right = solved("Contradicted", editions)
    swapped = right.assign(why=right.why.map({"user only": "not declared", "not declared": "user only"}))
    for given in (right.iloc[1:], swapped, right.drop(columns="why"), right.assign(section="CS 9.9"), right.assign(why="yes"),
                  list(right.req_id), pd.concat([right, right.iloc[:1]])):
        assert judged("Contradicted", editions, given).outcome is Outcome.NOT_YET, given


# --- 3

def test_costs_in_other_forms_are_right(editions):
    right = solved("Costs", editions)
    for given in (right.set_index("vendor"), right.round(-3), right.astype({"paid": int}), right.to_dict("records"),
                  right[["npv_8", "npv", "paid", "vendor"]], right.iloc[::-1]):
        assert judged("Costs", editions, given).correct, given
    inputs = given_by("price_sheet volumes", editions)["price_sheet"]
    sums = {}
    for row in inputs.itertuples():                                    # without any of pandas' means, and the fees from the studies
        amount, one = float(row.eur[2:].replace(".", "").replace(",", ".")), sums.setdefault(row.vendor, [0, 0, 0])
        one[0] += amount
        one[1] += amount / 1.04 ** row.year
        one[2] += amount * ((1.08 / 1.04) ** row.year if row.item.startswith("Fee") else 1) / 1.04 ** row.year
    exit_eur = max(euros(row.eur) for row in inputs.itertuples() if row.item.startswith("Exit"))
    sums["Quillhaven"] = [a + b for a, b in zip(sums["Quillhaven"], (exit_eur, exit_eur / 1.04**7, exit_eur / 1.04**7))]
    assert judged("Costs", editions, [(vendor, *three) for vendor, three in sums.items()]).correct


def test_costs_that_look_right_are_refused(editions):
    right = solved("Costs", editions)
    for given in (right.assign(npv=right.paid), right.assign(npv_8=right.npv), right.iloc[:2], right.assign(paid=right.paid / 1000),
                  right.assign(npv=right.npv * 1.04), right.drop(columns="npv_8")):
        assert judged("Costs", editions, given).outcome is Outcome.NOT_YET, given


@pytest.mark.parametrize("seed", range(10))
def test_the_data_on_every_seed(seed):
    h = hospital(seed, "tiny")
    sheet = lesson.input_of("price_sheet", h)
    assert sheet.eur.map(euros).sum() == sum(one.eur for one in h.projects.tender.prices)
    assert set(sheet.vendor) - set(sheet[sheet.item.str.startswith("Exit")].vendor) == {"Quillhaven"}
    sections = lesson.input_of("sections", h)
    assert len(sections) == 16 and sections.section.str.contains(r"\d$").all()
    contradicted = EXERCISES["Contradicted"].computed(EXERCISES["Contradicted"].solution, h)
    assert set(contradicted.why) == {"user only", "not declared"}
    panel, truth = EXERCISES["Panel"].computed(EXERCISES["Panel"].solution, h), h.projects.tender.truth
    assert (panel["evaluator"], panel["vendor"]) == truth["favourite"] and 0 < panel["W"] <= 1
    leads = lesson.input_of("leads", h)
    assert list(leads.category) == list(h.projects.tender.category_weights)
    good = [one for one in lesson.input_of("bench", h) if one.good]
    assert [one.name for one in good] == ["A", "B", "C", "H", "K"]


# --- 4

def test_shares_found_otherwise_are_right(editions):
    def by_steps(a, b, lowest):
        before = None
        for tenth in range(1, 1000):
            share = tenth / 10
            totals = [share * one["quality"] + (100 - share) * 100 * lowest / one["npv"] for one in (a, b)]
            ahead = np.sign(round(totals[0] - totals[1], 9))
            if before is not None and ahead != before:
                return share
            before = ahead
        return None

    def by_halving(a, b, lowest):
        def lead(share):
            return sum(sign * (share * one["quality"] + (100 - share) * 100 * lowest / one["npv"]) for sign, one in ((1, a), (-1, b)))
        low, high = 0.0, 100.0
        if lead(low) * lead(high) >= 0:
            return None
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if lead(low) * lead(middle) > 0 else (low, middle)
        return low

    def as_numpy(a, b, lowest):
        share = EXERCISES["FlipsAt"].solution(a, b, lowest)
        return None if share is None else np.float64(share)
    for given in (by_steps, by_halving, as_numpy, lambda a, b, lowest: EXERCISES["FlipsAt"].solution(b, a, lowest)):
        verdict = judged("FlipsAt", editions, given)
        assert verdict.correct, verdict


@pytest.mark.parametrize(("given", "says"), [
    (lambda a, b, lowest: 70, "returned"), (lambda a, b, lowest: print(), "Is a `return` missing"),
    (lambda a, b, lowest: "none", "or None"),
    (lambda a, b, lowest: 100 * (b["npv"] - a["npv"]) / lowest, "returned"), (lambda a, b, lowest: a["quality"] / 0, "ZeroDivisionError"),
    (lambda a, b, lowest: float("nan"), "NaN"), (lambda a, b, lowest: EXERCISES["FlipsAt"].solution(a, b, lowest) or 0, "`None` is asked"),
])
def test_shares_that_are_wrong_are_refused(editions, given, says):
    verdict = judged("FlipsAt", editions, given)
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


# --- 5

def test_turning_weights_found_otherwise_are_right(editions):
    def with_percent(scores, weights, factor):
        def winner(of):
            return pd.DataFrame(scores).mul(pd.Series(of), axis=0).sum().idxmax()
        found = set()
        for name in weights:
            others = sum(weights.values()) - weights[name]
            of = {one: weight / others * (100 - factor * weights[name]) for one, weight in weights.items() if one != name}
            if winner({**of, name: factor * weights[name]}) != winner(weights):
                found.add(name)
        return found
    assert judged("Turning", editions, with_percent).correct
    assert judged("Turning", editions, lambda *case: tuple(name.upper() for name in Turning.solution(*case))).correct


@pytest.mark.parametrize("given", [
    lambda scores, weights, factor: [], lambda scores, weights, factor: list(weights),
    lambda scores, weights, factor: first(scores, weights),
    lambda scores, weights, factor: 0, lambda scores, weights, factor: Turning.solution(scores, weights, 1 / factor),
])
def test_turning_weights_that_are_wrong_are_refused(editions, given):
    assert judged("Turning", editions, given).outcome is Outcome.NOT_YET


def test_cases_hold_each_of_the_situations():
    for seed in range(4):
        shares = [EXERCISES["FlipsAt"].solution(*case) for case in EXERCISES["FlipsAt"].cases(random.Random(seed))]
        assert 6 <= shares.count(None) <= 20 and all(0.5 < share < 99.5 for share in shares if share is not None)
        turned = [Turning.solution(*case) for case in EXERCISES["Turning"].cases(random.Random(seed))]
        assert 5 <= turned.count([]) <= 36 and any(len(one) > 1 for one in turned)


# --- 6

def test_the_panel_worked_out_otherwise_is_right(editions):
    marks, right = lesson.input_of("marks", editions.own), solved("Panel", editions)
    z = marks.assign(z=marks.groupby("evaluator").points.transform(lambda some: (some - some.mean()) / some.std(ddof=0)))
    own = z[(z.evaluator == right["evaluator"]) & (z.vendor == right["vendor"])].z.mean()
    others = z[(z.evaluator != right["evaluator"]) & (z.vendor == right["vendor"])].z.mean()
    ranks = marks.groupby(["evaluator", "vendor"]).points.mean().unstack().rank(axis=1, ascending=False)
    W = 12 * ((ranks.sum() - 5 * 2.5) ** 2).sum() / (25 * 60)
    given = {"lift": own - others, "vendor": right["vendor"].lower(), "Evaluator": right["evaluator"].upper(), "w": f"{W:.2f}"}
    assert judged("Panel", editions, given).correct
    assert judged("Panel", editions, pd.Series(right)).correct and judged("Panel", editions, list(right.items())).correct


@pytest.mark.parametrize(("change", "says"), [
    ({"lift": -0.59}, "other four"), ({"lift": 0.50}, "other four"), ({"W": 71}, "hundred times"),
    ({"evaluator": "purchasing"}, "evaluator"),
    ({"vendor": "Veldstone"}, "vendor"), ({"W": 0}, "W"), ({"lift": ...}, "still open"), ({"evaluator": None}, "evaluator"),
])
def test_panels_that_are_wrong_are_refused(editions, change, says):
    verdict = judged("Panel", editions, {**solved("Panel", editions), **change})
    assert verdict.outcome is Outcome.NOT_YET and (says in verdict.message or verdict.label == "lift_over_all_five"), verdict


# --- 7

@pytest.mark.parametrize("change", [
    {"merges": 200}, {"merges": 1000}, {"seconds": "60 s"}, {"seconds": 58.5}, {"profile": "SWF.b"}, {"profile": "pir"},
    {"statistic": "95TH percentile", "load": "Busy hour"}, {"transaction": "rad12"}, {"actor": "image manager / image archive"},
    {"merges": 400.0},
])
def test_requirements_in_other_forms_are_right(editions, change):
    verdict = judged("Testable", editions, {**REQUIREMENT, **change})
    assert verdict.correct, verdict


def test_a_requirement_as_json_or_with_other_names_is_right(editions):
    assert judged("Testable", editions, json.dumps(REQUIREMENT)).correct
    assert judged("Testable", editions, {name.replace("_", " ").upper(): value for name, value in REQUIREMENT.items()}).correct


@pytest.mark.parametrize(("change", "says"), [
    ({"actor": "Order Filler"}, "`actor`"), ({"profile": "CT"}, "`profile`"), ({"transaction": "RAD-14"}, "`transaction`"),
    ({"merges": 60}, "luck decides"), ({"merges": 100}, "luck decides"), ({"seconds": 20}, "stricter"), ({"seconds": 40}, "stricter"),
    ({"seconds": 75}, "longer"), ({"seconds": 120}, "longer"), ({"merges": 5000}, "from 1 to 1000"),
    ({"merges": 150.5}, "whole number"), ({"seconds": "a minute"}, "number from"), ({"statistic": "good"}, "is one of"),
    ({"evidence": ""}, "is one of"), ({"load": None}, "is one of"), ({"colour": "blue"}, "no part"), ({"seconds": ...}, "still open"),
    ({"statistic": "mean", "load": "idle"}, "bad product"), ({"seconds": 599}, "longer"), ({"merges": 20}, "Too few"),
])
def test_requirements_that_do_not_work_are_refused(editions, change, says):
    verdict = judged("Testable", editions, {**REQUIREMENT, **change})
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict
    assert judged("Testable", editions, {"actor": "the system"}).label == "unreadable"
    assert judged("Testable", editions, ["the system"]).label == "unreadable"


def test_chance_is_the_binomial_distribution():
    assert chance(3, 3, 0.4) == pytest.approx(1) and chance(0, 10, 0.1) == pytest.approx(0.9**10)
    assert chance(1, 2, 0.5) == pytest.approx(0.75) and chance(15, 300, 0.1) < 0.002


# --- 8

@pytest.mark.parametrize("change", [
    {"quality_share": 29}, {"quality_share": 47}, {"quality_share": "40 %"}, {"quality_share": 33.3}, {"mandatory": "Out before weighing"},
    {"price": "comparable NPV"}, {"price_points": "Ceiling"},
])
def test_rules_in_other_forms_are_right(editions, change):
    verdict = judged("TheAward", editions, {**RULES, **change})
    assert verdict.correct, verdict
    assert judged("TheAward", editions, json.dumps({**RULES, **change})).correct


@pytest.mark.parametrize(("change", "says"), [
    ({"quality_share": 28}, "less than"), ({"quality_share": 48}, "more"), ({"quality_share": 0.4}, "in per cent"),
    ({"quality_share": 100}, "below 100"), ({"price": "purchase", "proof": "answers"}, "In some tenders"),
    ({"price_points": "lowest admitted / own", "quality_share": 33}, "withdrawal"),
    ({"mandatory": "minus 10 points", "price_points": "lowest of all / own"}, "mandatory"), ({"mandatory": "maybe"}, "is one of"),
    ({"veto": "radiology"}, "no rule"), ({"proof": ...}, "still open"), ({"quality_share": True}, "number from"),
])
def test_rules_that_do_not_hold_are_refused(editions, change, says):
    verdict = judged("TheAward", editions, {**RULES, **change})
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def test_no_relative_price_points_pass_within_the_boards_limits(editions):
    for share in range(25, 61, 3):
        for kind in ("lowest of all / own", "lowest admitted / own"):
            outcome = TheAward.trial({**RULES, "price_points": kind, "quality_share": share}, editions.own)
            assert outcome["worth"] != "right" or "withdrawn" in outcome["goes_wrong"], (share, kind)


def test_the_award_and_its_replay(editions):
    tenders = lesson.input_of("old_tenders", editions.own)
    assert replay(tenders, RULES) == {"fails": 0, "claims": 0, "hidden": 0, "withdrawn": 0, "worth": 33333}
    bids = [ciip04.Bid("a", 90, 95, "documents", 1_000_000, 2_000_000, 0), ciip04.Bid("b", 88, 88, "", 1_500_000, 1_500_000, 100_000),
            ciip04.Bid("c", 80, 80, "answers", 100_000, 100_000, 0)]
    assert award(bids, RULES).name == "b" and award(bids, {**RULES, "proof": "answers"}).name == "a"
    assert award(bids, {**RULES, "mandatory": "counted as points"}).name == "c" and award(bids[:1], RULES) is None
    shown = lesson.input_of("archive_of_tenders", editions.own)
    assert "33,300 euros" in repr(shown.replay(RULES)) and "150 old tenders" in repr(shown)
    for given in ({}, "rules", {**RULES, "price": "low"}, {**RULES, "quality_share": ...}):
        with pytest.raises(CourseError, match="can't be used"):
            shown.replay(given)
