"""What learners give in lesson ciip-04 beyond the solutions and wrong ways, and the data that they are asked about."""

import json
import random
import re

import numpy as np
import pandas as pd
import pytest

from coursekit.checking import Outcome
from coursekit.checking.lesson import Editions
from coursekit.errors import CourseError
from coursekit.hospital import hospital, projects
from coursekit.lessons import ciip_04_rfp_responses as ciip04
from coursekit.lessons.ciip_04_rfp_responses import Costs, TheAward, Testable, Turning, award, chance, euros, first, lesson, replay

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


def solved_on(h, name):
    return EXERCISES[name].computed(EXERCISES[name].solution, h)


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
                  series.sort_values(ascending=False), {k: np.float64(v) for k, v in right.items()},
                  {k: f"{v:.1f} %" for k, v in right.items()}, {k: f"{v:.1f}".replace(".", ",") for k, v in right.items()},
                  {**right, "Veldstone": None}, {**right, "Veldstone": "out"}, {**right, "Veldstone": float("nan")},
                  pd.Series({**right, "Veldstone": None})):
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
    for given, says in (({**right, "Veldstone": 0}, "Leave a vendor out"), ({v: one / 100 for v, one in right.items()}, "points of 100"),
                        ({vendor: round(score) for vendor, score in right.items()}, "one decimal"),
                        ({"Brinkmere": right["Brinkmere"], "Quillhaven": right["Quillhaven"]}, "comes in part 2")):
        assert says in judged("OnPaper", editions, given).message


# --- 2

def test_accusations_in_other_forms_are_right(editions, tender):
    right = solved("Contradicted", editions)
    assert {vendor: sorted(rows.req_id) for vendor, rows in right.groupby("vendor")} == {
        vendor: sorted(ids) for vendor, ids in tender.truth["contradicted"].items()}
    scu = right.assign(why=right.why.map({"user only": "SCU only", "not declared": "absent"}))
    called = {"DICOM CS": "Conformance Statement, section", "IHE IS": "ihe integration statement",
              "HL7 spec": "HL7 interface specification §"}
    written = right.assign(section=right.section.replace(called, regex=True))
    words = right.assign(why=right.why.map({"user only": "only SCU", "not declared": "line missing"}))
    for given in (scu, written, words, right.assign(role="x", evidence="y"), right.set_index(["vendor", "req_id"]), right.iloc[::-1],
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
    assert '`evidence != ""`' in judged("Contradicted", editions, pd.concat([right, pd.DataFrame([{
        "vendor": silent.vendor, "req_id": silent.req_id, "section": "IHE IS 2", "why": "not declared"}])])).message
    unknown = pd.concat([right, pd.DataFrame([{"vendor": "Quillhaven", "req_id": "R999", "section": "1", "why": "user only"}])])
    assert "There is no such answer" in judged("Contradicted", editions, unknown).message


def test_accusations_that_look_right_are_refused(editions):
    right = solved("Contradicted", editions)
    swapped = right.assign(why=right.why.map({"user only": "not declared", "not declared": "user only"}))
    for given in (right.iloc[1:], swapped, right.drop(columns="why"), right.assign(section="CS 9.9"), right.assign(why="yes"),
                  right.assign(section=right.section.str.replace("IHE IS", "DICOM CS")), right.assign(why="SCU/SCP"),
                  right.assign(section=right.section.str.replace("HL7 spec", "IHE IS")), right.assign(section="xx 4.4"),
                  right.assign(section=right.section.str.split().str[-1]), right.assign(section=[float("nan")] * len(right)),
                  right.assign(why=right.why.replace("user only", "not SCP")),
                  list(right.req_id), pd.concat([right, right.iloc[:1]])):
        assert judged("Contradicted", editions, given).outcome is Outcome.NOT_YET, given


def test_what_is_told_of_accusations_that_lack_or_cite_another_section(editions):
    right, inputs = solved("Contradicted", editions), given_by("answers requirements statements sections", editions)
    verdict = judged("Contradicted", editions, right[right.vendor != "Veldstone"])
    assert verdict.label == "without_those_who_are_out" and "failed on paper" in verdict.message
    for vendor in ("Brinkmere", "Quillhaven"):
        assert f"none of {vendor}" in judged("Contradicted", editions, right[right.vendor != vendor]).message
    for place in range(len(right)):
        assert f"At least one of {right.vendor[place]} is missing, about a" in judged("Contradicted", editions, right.drop(place)).message
    # As a spreadsheet person merges: by the document, which a claim without a line does not have, and which holds two lists.
    wanted, yes = inputs["requirements"], inputs["answers"].code == "yes"
    claims = inputs["answers"][yes].merge(wanted[wanted.evidence != ""], on="req_id")
    found = claims.merge(inputs["statements"], on=["vendor", "evidence"], how="left")
    found = found[found.role.isna() | (found.role == "SCU")].merge(inputs["sections"], on=["vendor", "document"], how="left")
    found["why"] = found.role.map({"SCU": "user only"}).fillna("not declared")
    by_document = found[["vendor", "req_id", "section", "why"]]
    message = judged("Contradicted", editions, by_document).message
    assert "`nan`" in message and "`vendor` and `kind`" in message and "first three letters" in message
    once = right.set_index(["vendor", "req_id"]).section
    filled = by_document.assign(section=[once[row.vendor, row.req_id] if row.section != row.section else row.section
                                         for row in by_document.itertuples()])
    message = judged("Contradicted", editions, filled).message
    assert "more often than it should be" in message and "each claim meets its own" in message
    elsewhere = right.assign(section=right.section.str.replace("IHE IS", "DICOM CS"))
    assert "first three letters of the claim's `evidence`" in judged("Contradicted", editions, elsewhere).message


# --- 3

def test_costs_in_other_forms_are_right(editions):
    right = solved("Costs", editions)
    for given in (right.set_index("vendor"), right.round(-3), right.astype({"paid": int}), right.to_dict("records"),
                  right[["npv_8", "npv", "paid", "vendor"]], right.iloc[::-1], right.set_index("vendor").to_dict(),
                  right.set_index("vendor").to_dict("index"), right.astype({"paid": int}).to_dict("list"),
                  right.assign(paid=right.paid.map(lambda eur: "€ " + f"{eur:,.0f}".replace(",", ".") + ",00"))):
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


def test_one_wrong_cost_is_told_what_is_wrong_with_it(editions):
    right, sheet = solved("Costs", editions).set_index("vendor"), given_by("price_sheet", editions)["price_sheet"]

    def changed(vendor, column, way):
        table = right.copy()
        table.loc[vendor, column] = way(sheet).set_index("vendor").loc[vendor, column]
        return judged("Costs", editions, table).message
    for vendor, column, way, says in (
        ("Quillhaven", "paid", Costs.fees_put_in, "letter 3"),
        ("Quillhaven", "npv", Costs.exit_at_once, "year 1"), ("Lanternfish", "paid", Costs.gift_at_the_highest, "letter 2"),
        ("Brinkmere", "npv", Costs.not_discounted, "not discounted"), ("Brinkmere", "npv_8", Costs.storage_grows_too, "storage"),
        ("Veldstone", "npv_8", Costs.nothing_grows, "same as `npv`"), ("Veldstone", "npv_8", Costs.growth_not_discounted, "not discounted"),
        ("Brinkmere", "npv_8", Costs.discounted_at_eight, "still earns 4 %"),
    ):
        message = changed(vendor, column, way)
        assert says.casefold() in message.casefold() and "3 of 4 rows are right" in message, (vendor, column, message)
    exits = sheet[sheet.item.str.startswith("Exit")].set_index("vendor").eur.map(euros)
    table = right.copy()
    table.loc["Quillhaven"] += [(exits["Brinkmere"] - exits.max()) / (1.04**7 if column != "paid" else 1) for column in table]
    assert "Brinkmere's price" in judged("Costs", editions, table).message
    assert "not in thousands" in judged("Costs", editions, right / 1000).message
    assert "not in millions" in judged("Costs", editions, right / 1e6).message
    for way, label in ((Costs.multiplied, "multiplied"), (Costs.four_per_cent_off, "four_per_cent_off"), (Costs.growth_once, "growth_once"),
                       (Costs.presents_swapped, "presents_swapped")):
        assert judged("Costs", editions, way(sheet)).label == label
    without = Costs.sheets_as_they_are(sheet).set_index("vendor")
    whole, twice = right.copy(), right.copy()
    whole.loc["Quillhaven", ["npv", "npv_8"]] = without.loc["Quillhaven", ["npv", "npv_8"]] + exits.max()
    twice.loc["Quillhaven"] = 2 * right.loc["Quillhaven"] - without.loc["Quillhaven"]
    assert "full price" in judged("Costs", editions, whole).message and "run twice" in judged("Costs", editions, twice).message
    assert judged("Costs", editions, without).label == "sheets_as_they_are"
    for lacks, says in ((["npv_8"], "in `paid` and `npv`, but not in `npv_8`"), (["npv", "npv_8"], "not in `npv` and `npv_8`"),
                        (["paid"], "but not in `paid`")):
        table = right.copy()
        table.loc["Quillhaven", lacks] = without.loc["Quillhaven", lacks]
        assert says in judged("Costs", editions, table).message
    both = right.copy()                                              # two mistakes in two rows, each known by its own
    both.loc["Quillhaven"] = Costs.fees_put_in(sheet).set_index("vendor").loc["Quillhaven"]
    both.loc["Veldstone", "npv"] = 1
    assert judged("Costs", editions, both).label == "fees_put_in"


def test_what_the_lesson_says_of_the_award_is_so():
    h = hospital(0)
    scores, weights = lesson.input_of("category_scores", h), lesson.input_of("category_weights", h)
    leads, needed = lesson.input_of("leads", h), lesson.input_of("needed_lead", h)
    assert needed == 1.37 and [one.category for one in leads.itertuples() if one.doubled < needed] == ["DICOM services"]
    assert min(leads.halved) > needed and min(leads.doubled) > 0
    npv = solved_on(h, "Costs").set_index("vendor").npv
    quality = lesson.input_of("quality_by_rule_2", h)
    tied = {"Brinkmere": quality["Quillhaven"] + needed, "Quillhaven": quality["Quillhaven"]}
    totals = [70 * tied[vendor] + 30 * 100 * min(npv[list(tied)]) / npv[vendor] for vendor in tied]
    assert abs(totals[0] - totals[1]) < 1
    wanted = lesson.input_of("requirements", h)                      # R124 of Quillhaven counted as no
    assert wanted[wanted.mandatory].weight.sum() == 215 and wanted.weight.sum() == 440
    counted = {vendor: dict(one) for vendor, one in scores.items()}
    part = wanted[wanted.category == "migration and exit"]
    counted["Quillhaven"]["migration and exit"] -= 100 * part[part.req_id == "R124"].weight.iloc[0] / part.weight.sum()

    def lead(of):
        totals = ciip04._totals(counted, of)
        return totals["Brinkmere"] - totals["Quillhaven"]
    assert round(ciip04._totals(counted, weights)["Quillhaven"], 2) == 86.17 and round(lead(weights), 1) == 4.7
    assert round(lead(ciip04._moved(weights, "DICOM services", 2)), 1) == 2.1
    assert min(lead(ciip04._moved(weights, name, factor)) for name in weights for factor in (0.5, 2)) > needed
    ahead = {name: one["Brinkmere"] - one["Quillhaven"] for name, one in lesson.input_of("quality_by_marks", h).items()}
    assert len(ahead) == 5 and min(ahead, key=ahead.get) == "purchasing" and ahead["purchasing"] > needed
    sheet = lesson.input_of("price_sheet", h)
    exits = sheet[sheet.item.str.startswith("Exit")].set_index("vendor").eur.map(euros)
    assert exits.idxmax() == "Lanternfish"                          # a bid that is out sets Quillhaven's price
    answers = lesson.input_of("answers", h).set_index(["vendor", "req_id"]).code
    assert answers["Lanternfish", "R124"] == "roadmap" and answers["Quillhaven", "R124"] == "yes"


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
    quality, on_paper = lesson.input_of("quality_by_rule_2", h), EXERCISES["OnPaper"].computed(EXERCISES["OnPaper"].solution, h)
    assert set(quality) == {"Brinkmere", "Quillhaven"} and all(score < on_paper[vendor] for vendor, score in quality.items())
    assert sum((lead.halved - lead.doubled) for lead in leads.itertuples()) != 0 and max(leads.halved.max(), leads.doubled.max()) > 0
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
    def as_percent(a, b, lowest):
        share = EXERCISES["FlipsAt"].solution(a, b, lowest)
        return None if share is None else f"{share:.1f} %"
    for given in (by_steps, by_halving, as_numpy, as_percent, lambda a, b, lowest: EXERCISES["FlipsAt"].solution(b, a, lowest)):
        verdict = judged("FlipsAt", editions, given)
        assert verdict.correct, verdict


def _between(share, low, high):
    return share if share is not None and low < share < high else None


@pytest.mark.parametrize(("given", "says"), [
    (lambda a, b, lowest: 70, "returned"), (lambda a, b, lowest: print(), "Is a `return` missing"),
    (lambda a, b, lowest: "none", "or None"),
    (lambda a, b, lowest: 100 * (b["npv"] - a["npv"]) / lowest, "returned"), (lambda a, b, lowest: a["quality"] / 0, "ZeroDivisionError"),
    (lambda a, b, lowest: float("nan"), "NaN"), (lambda a, b, lowest: EXERCISES["FlipsAt"].solution(a, b, lowest) or 0, "`None` is asked"),
    (lambda a, b, lowest: _between(EXERCISES["FlipsAt"].solution(a, b, lowest), 0, 95), "There is a share"),
    (lambda a, b, lowest: _between(EXERCISES["FlipsAt"].solution(a, b, lowest), 5, 100), "There is a share"),
    (lambda a, b, lowest: None if abs(a["quality"] - b["quality"]) < 0.3 else EXERCISES["FlipsAt"].solution(a, b, lowest), "There is a"),
])
def test_shares_that_are_wrong_are_refused(editions, given, says):
    verdict = judged("FlipsAt", editions, given)
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict


def test_shares_that_never_come_and_those_of_the_notebook_are_told_why(editions):
    def exactly_equal(a, b, lowest):
        for share in range(0, 101):
            totals = [share * one["quality"] + (100 - share) * 100 * lowest / one["npv"] for one in (a, b)]
            if totals[0] == totals[1]:
                return share

    def copied(a, b, lowest):
        x = 100 * points_apart / (4 + points_apart)  # noqa: F821
        return x
    copied.__globals__["points_apart"] = 7.22
    try:
        said = judged("FlipsAt", editions, copied).message
    finally:
        del copied.__globals__["points_apart"]
    assert "uses none of what it is called with, `a`, `b` and `lowest`" in said and "variables of the notebook" in said
    said = judged("FlipsAt", editions, exactly_equal).message
    assert "though it has a `return`" in said and "hardly ever exactly equal" in said and "missing" not in said

    def shown(a, b, lowest):
        print(100 * lowest / a["npv"])
    assert "Is a `return` missing" in judged("FlipsAt", editions, shown).message


def without_asking_for_zero(a, b, lowest):
    pa, pb = 100 * lowest / a["npv"], 100 * lowest / b["npv"]
    share = 100 * (pb - pa) / ((a["quality"] - b["quality"]) + (pb - pa))
    return share if 0 <= share <= 100 else None


def without_signs(a, b, lowest):
    pa, pb = 100 * lowest / a["npv"], 100 * lowest / b["npv"]
    return 100 * abs(pb - pa) / (abs(a["quality"] - b["quality"]) + abs(pb - pa))


def test_a_division_by_nothing_is_told_as_that_alone(editions):
    verdict = judged("FlipsAt", editions, without_asking_for_zero)
    assert verdict.label == "divided_by_nothing" and "90.0" in verdict.message and "as many points better" in verdict.message
    assert "below 0 or above 100" not in verdict.message
    verdict = judged("FlipsAt", editions, without_signs)
    assert verdict.outcome is Outcome.NOT_YET and "below 0 or above 100" not in verdict.message
    verdict = judged("FlipsAt", editions, ciip04.FlipsAt.whatever_comes_out)
    assert verdict.label == "whatever_comes_out"


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
    assert judged("Turning", editions, lambda *case: ", ".join(Turning.solution(*case))).correct


@pytest.mark.parametrize("given", [
    lambda scores, weights, factor: [], lambda scores, weights, factor: list(weights),
    lambda scores, weights, factor: first(scores, weights),
    lambda scores, weights, factor: 0, lambda scores, weights, factor: Turning.solution(scores, weights, 1 / factor),
    lambda scores, weights, factor: Turning.solution(scores, weights, 2 if factor > 1 else 0.5),
    lambda scores, weights, factor: [name for name in Turning.solution(scores, weights, factor) if weights[name] > 5],
    lambda scores, weights, factor: [name for name in Turning.solution(scores, weights, factor) if name in projects.CATEGORY_WEIGHTS],
])
def test_turning_weights_that_are_wrong_are_refused(editions, given):
    assert judged("Turning", editions, given).outcome is Outcome.NOT_YET


def test_weights_scaled_to_a_hundred_afterwards_and_changed_upon_each_other_are_told_apart(editions):
    def all_scaled(scores, weights, factor):
        found = []
        for name in weights:
            changed = {**weights, name: weights[name] * factor}
            if first(scores, {one: 100 * weight / sum(changed.values()) for one, weight in changed.items()}) != first(scores, weights):
                found.append(name)
        return found

    def upon_each_other(scores, weights, factor):
        before, found = first(scores, weights), []
        for name in weights:
            new = weights[name] * factor
            shrink = (100 - new) / (100 - weights[name])
            for one in weights:
                weights[one] = weights[one] * shrink
            weights[name] = new
            if first(scores, weights) != before:
                found.append(name)
        return found
    def the_same_dictionary(scores, weights, factor):
        found = []
        for name in weights:
            changed = weights
            changed[name] = changed[name] * factor
            if first(scores, changed) != first(scores, weights):
                found.append(name)
        return found
    assert judged("Turning", editions, the_same_dictionary).label == "compared_with_itself"
    assert judged("Turning", editions, Turning.tried_both_ways).label == "tried_both_ways"
    assert judged("Turning", editions, all_scaled).label == "others_unchanged"
    assert "bring it back to 100" in judged("Turning", editions, all_scaled).message
    assert judged("Turning", editions, upon_each_other).label == "again_and_again"


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
    ({"vendor": "Veldstone"}, "the evaluator is right"), ({"W": 0}, "rank sums"), ({"W": 0.6}, "rank sums"),
    ({"lift": 0.7}, "other four"), ({"lift": 0.6}, "Two decimals"), ({"W": 0.7}, "Two decimals"),
    ({"W": 0.02}, "Rank by the **means**"), ({"W": 0.0284}, "mean ranks"),
    ({"evaluator": "purchasing", "vendor": "Quillhaven"}, "mild scale"), ({"evaluator": "imaging IT"}, "another evaluator is further"),
    ({"evaluator": "clinical engineering", "vendor": "Veldstone"}, "strict scale"),
    ({"evaluator": "radiology", "lift": -0.2}, "another evaluator stands out"),
    ({"lift": ...}, "still open"), ({"evaluator": None}, "evaluator"),
])
def test_panels_that_are_wrong_are_refused(editions, change, says):
    verdict = judged("Panel", editions, {**solved("Panel", editions), **change})
    assert verdict.outcome is Outcome.NOT_YET and (
        says.casefold() in verdict.message.casefold() or verdict.label == "lift_over_all_five"), verdict


def test_evaluators_are_told_nothing_of_the_vendor_that_is_named(editions):
    for evaluator in ("purchasing", "clinical engineering", "radiology"):
        said = {judged("Panel", editions, {**solved("Panel", editions), "evaluator": evaluator, "vendor": vendor}).message
                for vendor in ("Brinkmere", "Quillhaven", "Veldstone", "Lanternfish")}
        assert len(said) == 1 and not re.search("(best|worst)", said.pop())
    marks, right = lesson.input_of("marks", editions.own), solved("Panel", editions)
    own = ciip04._standard(marks).loc[right["evaluator"], right["vendor"]]
    assert "own mean standard score" in judged("Panel", editions, {**right, "lift": round(own, 2)}).message
    for change, label in (({"W": 1.2}, ""), ({"lift": -solved("Panel", editions)["lift"]}, "other_way_round")):
        verdict = judged("Panel", editions, {**solved("Panel", editions), **change})
        assert verdict.outcome is Outcome.NOT_YET and (not label or verdict.label == label), verdict


def test_chance_gives_five_judges_of_four_more_than_half_once_in_twenty_times():
    from itertools import permutations
    orders, sums = list(permutations((1, 2, 3, 4))), {(0, 0, 0, 0): 1}
    for _ in range(5):
        more = {}
        for before, count in sums.items():
            for order in orders:
                key = tuple(map(sum, zip(before, order)))
                more[key] = more.get(key, 0) + count
        sums = more
    above = sum(count for ranks, count in sums.items() if 12 * sum((one - 12.5) ** 2 for one in ranks) / (25 * 60) > 0.5)
    assert 0.04 < above / 24**5 < 0.05


# --- 7

@pytest.mark.parametrize("change", [
    {"merges": 200}, {"merges": 1000}, {"seconds": "60 s"}, {"seconds": "60,0"}, {"seconds": "1 minute"}, {"profile": "pir"},
    {"merges": 100}, {"merges": 101}, {"merges": 102}, {"merges": 80}, {"merges": "200 merges"}, {"transaction": "RAD-12 Patient Update"},
    {"profile": "PIR (patient information reconciliation)"},
    {"statistic": "95TH percentile", "load": "Busy hour"}, {"transaction": "rad12"}, {"actor": "image manager / image archive"},
    {"merges": 400.0}, {"transaction": "Patient Update"}, {"profile": "patient information reconciliation"}, {"seconds": "<= 60"},
    {"seconds": "at most 60 s"},
])
def test_requirements_in_other_forms_are_right(editions, change):
    verdict = judged("Testable", editions, {**REQUIREMENT, **change})
    assert verdict.correct, verdict


def test_a_requirement_as_json_or_with_other_names_is_right(editions):
    assert judged("Testable", editions, json.dumps(REQUIREMENT)).correct
    assert judged("Testable", editions, {name.replace("_", " ").upper(): value for name, value in REQUIREMENT.items()}).correct


@pytest.mark.parametrize(("change", "says"), [
    ({"actor": "Order Filler"}, "hears of a merge as well"), ({"actor": "Acquisition Modality"}, "makes images"),
    ({"profile": "CT"}, "sets clocks"), ({"transaction": "RAD-14"}, "asks for images"), ({"profile": "SWF.b"}, "put right afterwards"),
    ({"merges": 60}, "it jumps"),
    ({"merges": 56}, "it jumps"), ({"merges": 51}, "So few"), ({"merges": 20}, "too much to luck"),
    ({"seconds": 20}, "shorter"), ({"seconds": 55}, "shorter"), ({"seconds": 59}, "shorter"), ({"seconds": 61}, "longer"), ({"seconds": 62}, "longer"),
    ({"seconds": 120}, "longer"), ({"seconds": 599}, "longer"), ({"merges": 5000}, "from 1 to 1000"),
    ({"merges": 150.5}, "whole number"), ({"seconds": "a minute"}, "number from"), ({"statistic": "good"}, "is one of"),
    ({"evidence": ""}, "is one of"), ({"load": None}, "is one of"), ({"colour": "blue"}, "no part"), ({"seconds": ...}, "still open"),
    ({"statistic": "mean", "load": "idle"}, "one part more"), ({"statistic": "90th percentile", "merges": 200}, "demand 90 of 100"),
    ({"statistic": "90th percentile", "merges": 1000}, "demand 90 of 100"), ({"statistic": "99th percentile", "merges": 100}, "99 of 100"),
    ({"transaction": "RAD-1"}, "is one of"), ({"statistic": "90th percentile", "seconds": 20, "merges": 20}, "2 parts more"),
])
def test_requirements_that_do_not_work_are_refused(editions, change, says):
    verdict = judged("Testable", editions, {**REQUIREMENT, **change})
    assert verdict.outcome is Outcome.NOT_YET and says in verdict.message, verdict
    assert judged("Testable", editions, {"actor": "the system"}).label == "unreadable"
    assert judged("Testable", editions, ["the system"]).label == "unreadable"


def test_whatever_number_of_merges_is_enough_stays_enough(editions):
    for hospital_ in editions.all():
        for merges in (*range(ciip04.ENOUGH, 132), 180, 199, 219, 300, 999, 1000):
            outcome = Testable.trial({**REQUIREMENT, "merges": merges}, hospital_)
            assert outcome == {"misjudged": False, "wrong": []}, merges
        for merges in (1, 10, 19, 39, 50, 51, 56, 59, 60, 64):
            how = "between" if merges > 51 else "few"
            assert Testable.trial({**REQUIREMENT, "merges": merges}, hospital_)["wrong"] == [("merges", how)], merges
        for merges in range(52, 56):
            assert not Testable.trial({**REQUIREMENT, "merges": merges}, hospital_)["misjudged"], merges
    for name, words in ciip04.PARTS.items():
        for word in words:
            assert (word == ciip04.NEEDED[name]) != ((name, word) in ciip04.WRONG_WORDS)


def test_chance_is_the_binomial_distribution():
    assert chance(3, 3, 0.4) == pytest.approx(1) and chance(0, 10, 0.1) == pytest.approx(0.9**10)
    assert chance(1, 2, 0.5) == pytest.approx(0.75) and chance(15, 300, 0.1) < 0.002


# --- 8

@pytest.mark.parametrize("change", [
    {"quality_share": 29}, {"quality_share": 47}, {"quality_share": "40 %"}, {"quality_share": 33.3}, {"mandatory": "Out before weighing"},
    {"price": "comparable NPV"}, {"price_points": "Ceiling"},
    {"price_points": "ceiling: 100 x (1 - own / 5,000,000)"}, {"price": "comparable npv (what a sheet leaves out is put in)"},
])
def test_rules_in_other_forms_are_right(editions, change):
    verdict = judged("TheAward", editions, {**RULES, **change})
    assert verdict.correct, verdict
    assert judged("TheAward", editions, json.dumps({**RULES, **change})).correct
    assert judged("TheAward", editions, pd.Series({**RULES, **change})).correct


@pytest.mark.parametrize(("change", "says"), [
    ({"quality_share": 28}, "about 19,400 euros, less than"), ({"quality_share": 48}, "about 46,200 euros, more"),
    ({"quality_share": 50}, "about 50,000 euros, more"), ({"quality_share": 80}, "more than a hundred thousand"),
    ({"quality_share": 5}, "less than ten thousand"), ({"quality_share": 0.4}, "in per cent"),
    ({"price": "purchase", "quality_share": 70}, "not all"), ({"quality_share": 60, "proof": "answers"}, "not all"),
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
    assert repr(shown.replay(pd.Series(RULES))) == repr(shown.replay(RULES))
    for given in ({}, "rules", {**RULES, "price": "low"}, {**RULES, "quality_share": ...}):
        with pytest.raises(CourseError, match="can't be used"):
            shown.replay(given)
