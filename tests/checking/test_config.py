"""Config: settings judged by what comes of them, here and on unseen hospitals."""

import hostile
import pandas
import pytest

from coursekit.checking import Config, Outcome
from coursekit.checking.kinds import config


def rules(settings):
    if type(settings) is not dict or set(settings) != {"modality", "at_most"}:
        raise ValueError("there are two settings, `modality` and `at_most`")
    if type(settings["at_most"]) is not int:
        raise ValueError("`at_most` is a whole number")
    return settings


def trial(settings, hospital):
    if settings["at_most"] < 0:
        while True:
            pass
    found = hospital.pacs.rows("SELECT pk, modality FROM study ORDER BY pk", 1, 1000)[1]
    fetched = [pk for pk, modality in found if modality == settings["modality"]][:settings["at_most"]]
    return {"fetched": len(fetched), "first": fetched[:1], "asked": settings["modality"] == "CT"}


def faults(outcome):
    found = []
    if not outcome["asked"]:
        found.append("The priors of CT are not fetched.")
    if outcome["fetched"] < 5:
        found.append("Readers still wait for priors.")
    return found


@pytest.fixture
def check(ask):
    def solution():
        return {"modality": "CT", "at_most": 10}

    def of_mr():
        return {"modality": "MR", "at_most": 10}

    def one_only():
        return {"modality": "CT", "at_most": 1}

    def none_at_all():
        return {"modality": "CT", "at_most": 0}

    kind = Config("rules", reading=rules, template='rules = {\n    "modality": ...,\n    "at_most": ...,\n}')
    return ask(kind, solution, {of_mr: "That is MR.", one_only: "One prior is not enough.", none_at_all: "Nothing moves."},
               trial=staticmethod(trial).__func__, faults=faults)


def test_any_settings_that_work_are_right(check):
    for given in ({"modality": "CT", "at_most": 10}, {"at_most": 7, "modality": "CT"}, '{"modality": "CT", "at_most": 6}'):
        assert check(given).correct, given


def test_a_series_with_the_names_of_the_settings_is_as_good_as_a_dictionary(check):
    assert check(pandas.Series({"modality": "CT", "at_most": 10})).correct
    assert check(pandas.Series(["CT", 10])).label == "unreadable" and check(pandas.Series({"modality": "CT"})).label == "unreadable"
    assert "still open" in check(pandas.Series({"modality": "CT", "at_most": ...})).message


def test_wrong_ways_are_recognised_by_their_outcome(check):
    assert check({"modality": "MR", "at_most": 99}).label in ("of_mr", "fault")
    assert check({"modality": "CT", "at_most": 1}).message == "One prior is not enough."
    assert check({"modality": "CT", "at_most": 3}).message == "Readers still wait for priors."


def test_what_fails_elsewhere_only_is_told_so(ask):
    seen = []

    def by_place(settings, hospital):
        seen.append(hospital.seed)
        return {"here": hospital.seed == seen[0], **settings}

    def solution():
        return {"modality": "CT", "at_most": 10}

    def one():
        return {**solution(), "at_most": 1}

    def two():
        return {**solution(), "at_most": 2}

    def three():
        return {**solution(), "at_most": 3}

    for words in ({}, {"unseen": "Good here. Elsewhere: "}):
        check = ask(Config("rules", reading=rules, **words), solution, {one: "1", two: "2", three: "3"}, trial=by_place,
                    faults=lambda outcome: [] if outcome["here"] else ["Readers wait."])
        seen.clear()
        verdict = check(solution())
        assert verdict.label == "only here" and verdict.message.endswith("Readers wait.")
        assert verdict.message.startswith(words.get("unseen", "Good for the hospital that you see, but not for another"))


def test_what_cannot_be_used_is_said(check, monkeypatch):
    assert check({"modality": ..., "at_most": ...}).outcome is Outcome.NOT_ANSWERED
    assert "still open" in check({"modality": "CT", "at_most": ...}).message
    assert "two settings" in check({"modality": "CT"}).message
    assert "whole number" in check({"modality": "CT", "at_most": "many"}).message
    assert check("no json").label == "unreadable"
    monkeypatch.setattr(config, "SECONDS", 1.0)
    assert "did not come to an end" in check({"modality": "CT", "at_most": -1}).message


def test_hostile_answers_get_a_sentence(check):
    for label, make in hostile.VALUES:
        for given in (make(), {"modality": make(), "at_most": 5}):
            verdict = check(given)
            assert verdict.outcome is Outcome.NOT_YET and len(verdict.message) > 10, label


def test_settings_may_be_called_otherwise(ask):
    def reading(value):
        raise ValueError("each rule is a pair")

    check = ask(Config("rules", reading=reading, called="rules"), lambda: [1],
                trial=lambda settings, hospital: [], faults=lambda outcome: [])
    assert check([2]).message == "The rules can't be used as they are: each rule is a pair."
    assert check(5).message.startswith("This exercise takes rules, as a dictionary or a list")


def test_an_object_among_the_settings_is_told_as_one(check):
    assert check({"modality": object(), "at_most": 5}).message.startswith("The settings hold an object of type `object`, where text")


def test_one_thing_is_spoken_of_as_one(ask):
    check = ask(Config("policy", reading=rules, called="a policy", shape="a dictionary"), lambda: {"modality": "CT", "at_most": 10}, {},
                trial=staticmethod(trial).__func__, faults=faults)
    assert check({"modality": "CT"}).message.startswith("The policy can't be used as it is: there are two settings")
    assert check({"modality": "CT", "at_most": ...}).message.startswith("Parts of the policy are still open")
    assert "a policy, as a dictionary" in check(7).message
