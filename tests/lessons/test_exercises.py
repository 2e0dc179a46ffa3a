"""Every exercise of every lesson, on many hospitals."""

import copy
import functools
import inspect
import os
import random
import re

import hostile
import numpy
import pandas
import pytest

from coursekit import lessons
from coursekit.checking import Choice, Client, Config, Fields, File, Function, Message, Number, Outcome, Query, Server, Set, Table, Tests, Text
from coursekit.checking.lesson import Editions
from coursekit.hospital import hospital

SEEDS = range(int(os.environ.get("COURSEKIT_SEEDS", "3")))
LIVE_SEEDS = SEEDS[:2]                              # systems really run for a live exercise, again and again
ALSO_LIVE = ("WhatBecameOfThem", "ExportList")       # whose kinds do not say so
ALL = [(entry.id, exercise.name) for entry in lessons.catalogue() for exercise in lessons.load(entry.id).exercises]
EVERY = pytest.mark.parametrize(("lesson", "name"), ALL, ids=[f"{lesson}-{name}" for lesson, name in ALL])


def _exercise(lesson, name):
    return next(one for one in lessons.load(lesson).exercises if one.name == name)


def _seeds(exercise):
    if isinstance(exercise.answer, Tests):              # twenty systems each time, in which nothing but their order comes from the hospital
        return range(1)
    return LIVE_SEEDS if _is_live(exercise) else SEEDS


def _is_live(exercise):
    return isinstance(exercise.answer, (Client, Server)) or exercise.name in ALSO_LIVE


def _editions(seed):
    return Editions(hospital(seed, "tiny"), lambda: [hospital(201, "tiny")])


def _given(exercise, function, editions):
    """What a learner would pass who solved the exercise with this function."""
    if isinstance(exercise.answer, Client) and function is not exercise.solution:
        with exercise.stage(random.Random(f"{exercise.name} {editions.own.seed}")) as cases:
            said = iter([function(state) for _, state in cases])
        return (lambda *arguments: next(said),)
    if isinstance(exercise.answer, Function):
        return (function,)
    value = exercise.computed(function, editions.own)
    return tuple(value) if len(exercise.answer.variables) > 1 else (value,)


def test_each_live_exercise_that_is_named_is_there():
    assert set(ALSO_LIVE) <= {name for _, name in ALL}


@EVERY
def test_the_solution_is_correct_on_every_hospital(lesson, name):
    exercise = _exercise(lesson, name)
    for seed in _seeds(exercise):
        editions = _editions(seed)
        verdict = exercise.judge(_given(exercise, exercise.solution, editions), editions)
        assert verdict.outcome is Outcome.CORRECT, f"seed {seed}: {verdict!r}"
        assert verdict.points == exercise.points


@EVERY
def test_each_wrong_way_is_refused_with_its_own_feedback(lesson, name):
    exercise = _exercise(lesson, name)
    assert len(set(exercise.wrong_ways.values())) == len(exercise.wrong_ways)
    seeds = _seeds(exercise)
    for number, seed in enumerate(seeds):
        editions = _editions(seed)
        # Where systems run for each answer, half of the wrong ways meet the one hospital and half the other.
        ways = list(exercise.wrong_ways.items())
        for way, feedback in ways[number::len(seeds)] if _is_live(exercise) else ways:
            verdict = exercise.judge(_given(exercise, way, editions), editions)
            assert verdict.outcome is Outcome.NOT_YET, f"seed {seed}, {way.__name__}"
            # A lesson's own kind may say first which part of the answer it is about.
            assert verdict.label == way.__name__ and verdict.message.endswith(feedback), f"seed {seed}, {way.__name__}: {verdict!r}"


@EVERY
def test_untouched_is_not_answered(lesson, name):
    exercise = _exercise(lesson, name)
    editions = _editions(0)
    given = tuple(... for _ in exercise.answer.variables)
    verdict = exercise.judge(given, editions)
    assert verdict.outcome is Outcome.NOT_ANSWERED
    if isinstance(exercise.answer, Function):
        names = {}
        exec(exercise.answer_text("nothing").split("\n\nnothing")[0], names)
        assert exercise.judge((names[exercise.answer.variables[0]],), editions).outcome is Outcome.NOT_ANSWERED


@EVERY
def test_hostile_answers_get_a_sentence(lesson, name):
    exercise = _exercise(lesson, name)
    editions = _editions(0)
    for label, make in hostile.VALUES:
        given = tuple(make() for _ in exercise.answer.variables)
        verdict = exercise.judge(given, editions)
        assert verdict.outcome is Outcome.NOT_YET, f"{label}: {verdict!r}"
        assert len(verdict.message) > 10, label
        repr(verdict), verdict._repr_html_()


@pytest.mark.parametrize("lesson, name", [one for one in ALL if isinstance(_exercise(*one).answer, Query)])
def test_hostile_sql_gets_a_sentence_and_changes_nothing(lesson, name):
    exercise = _exercise(lesson, name)
    editions = _editions(0)
    before = editions.own.pacs.sql("SELECT COUNT(*) AS n, SUM(pk) AS s FROM study").iloc[0].tolist()
    for label, sql in hostile.SQL:
        if label in ("endless", "huge") and exercise.number > 1:
            continue  # they take seconds; once is enough
        verdict = exercise.judge((sql,), editions)
        assert verdict.outcome is Outcome.NOT_YET, f"{label}: {verdict!r}"
        assert verdict.label == "refused" or label in ("pragma function",), f"{label}: {verdict!r}"
    assert editions.own.pacs.sql("SELECT COUNT(*) AS n, SUM(pk) AS s FROM study").iloc[0].tolist() == before


@EVERY
def test_nothing_shown_before_the_solution_holds_the_right_value(lesson, name):
    exercise = _exercise(lesson, name)
    texts = [*exercise.wrong_ways.values(), *exercise.hints]
    for seed in SEEDS:
        editions = _editions(seed)
        secrets = _secrets(exercise, editions)
        if not secrets:
            continue                                    # nothing that a message could give away
        given = [make() for _, make in hostile.VALUES] + [0, 1, -1, "x", ["x"], {"a": [1]}]
        shown = texts + [exercise.judge((value,) * len(exercise.answer.variables), editions).message for value in given]
        for secret in secrets:
            pattern = re.compile(rf"(?<![\w.,]){re.escape(secret)}(?![\w]|[.,]\w)", re.IGNORECASE)
            for text in shown:
                assert not pattern.search(_without_citations(text)), f"{secret!r} in {text!r}"


def _secrets(exercise, editions):
    """The right value in the forms in which a message could give it away."""
    kind = exercise.answer
    if isinstance(kind, (Function, Config, File, Message)):
        return []
    value = exercise.computed(exercise.solution, editions.own)
    if isinstance(kind, Fields):
        return [secret for name, inside in kind.entries.items() for secret in _secrets_of(inside, value[name])
                if f'"{secret}"' not in exercise.question]                     # one of the words that the question itself offers
    if isinstance(kind, Choice):
        kind, value = kind.evidence, value[1]
    return _secrets_of(kind, value)


def _secrets_of(kind, value):
    if isinstance(kind, Number):
        number = kind.read(value)[0]
        return [str(number), f"{number:,}", f"{number:.2f}", f"{number:g}"] if abs(number) >= 10 else []
    if isinstance(kind, Text):
        text = kind.read(value)
        return [text] if len(text) > 4 or not text.isalpha() else []          # "yes" may stand in any sentence
    if isinstance(kind, Set):
        return list(kind.read(value))
    if isinstance(kind, Query):
        return [" ".join(value.split())]
    if isinstance(kind, Table):
        return [str(cell) for row in kind.read(value).rows for cell in row if isinstance(cell, float)]
    if kind.__class__.__module__.startswith("coursekit.lessons."):
        return []                                                              # a lesson's own kind
    raise AssertionError(f"no secret known for {type(kind).__name__}")


def _without_citations(text):
    """Section numbers such as PS3.3 C.11.2.1.2.1 or PS3.8 Table 9-21 are no answers."""
    return re.sub(r"(PS3\.\d+|RFC|Table|section|Annex|CP)[\s\w.\-–]*?(?=[\s,;:)]|$)", " ", text)


@pytest.mark.parametrize("lesson, name", [one for one in ALL if isinstance(_exercise(*one).answer, Table)])
def test_a_table_may_be_a_frame_or_rows_without_names(lesson, name):
    exercise = _exercise(lesson, name)
    editions = _editions(0)
    value = exercise.computed(exercise.solution, editions.own)
    frame = pandas.DataFrame(list(value.items()) if isinstance(value, dict) else value)
    rows = frame.astype(object).values.tolist()
    forms = {"frame": frame, "objects": frame.astype(object), "rows": rows, "tuples": [tuple(row) for row in rows]}
    if frame.columns[0] != 0:                                                   # its columns have names
        forms |= {"other columns' order": frame.iloc[:, ::-1], "records": frame.to_dict("records")}
    if not exercise.answer.ordered:
        forms["other rows' order"] = frame.iloc[::-1]
    for form, given in forms.items():
        assert exercise.judge((given,), editions).correct, form


@EVERY
def test_answers_near_the_right_one_never_mean_trouble(lesson, name):
    """Each part of a right answer beside each wrong part: what a learner who is half right gives."""
    exercise = _exercise(lesson, name)
    editions = _editions(0)
    kind = exercise.answer
    if isinstance(kind, Function):
        return
    right = _given(exercise, exercise.solution, editions)
    wrong = [_given(exercise, way, editions) for way in exercise.wrong_ways]
    near = [tuple(r if place != changed else w for place, r in enumerate(right)) for w_all in wrong for changed, w in enumerate(w_all)]
    if isinstance(kind, Choice):
        near += [(letter, right[1]) for letter in kind.options] + [(letter, 1) for letter in kind.options] + [(letter, "x") for letter in kind.options]
    for given in near + [tuple([value] for value in right)]:
        verdict = exercise.judge(given, editions)
        assert verdict.outcome in (Outcome.CORRECT, Outcome.NOT_YET), f"{given!r}: {verdict!r}"
    if isinstance(kind, Choice):
        for letter in kind.options:
            assert exercise.judge((letter, right[1]), editions).correct == (letter == right[0])


@EVERY
def test_a_sign_points_to_a_wrong_way_and_not_to_the_solution(lesson, name):
    exercise = _exercise(lesson, name)
    for sign, way in exercise.signs.items():
        assert way in exercise.wrong_ways
        assert re.search(sign, exercise.computed(way, _editions(0).own), re.IGNORECASE | re.DOTALL), sign
        assert not re.search(sign, exercise.computed(exercise.solution, _editions(0).own), re.IGNORECASE | re.DOTALL), sign


@EVERY
def test_question_and_hints_are_really_written(lesson, name):
    exercise = _exercise(lesson, name)
    assert len(exercise.question) > 40
    for one in (exercise, *exercise.on.values()):
        code = re.findall(r"\n\n {4,}(.*?)(?=\n\n|$)", one.question, re.DOTALL)
        assert not any("**" in part or "`" in part for part in code), "a paragraph so indented would be drawn as code"
    assert len(exercise.hints) >= 3 and all(len(hint) > 20 for hint in exercise.hints)
    assert len(set(exercise.hints)) == len(exercise.hints)
    assert all(len(feedback) > 40 for feedback in exercise.wrong_ways.values())
    assert exercise.points >= 1


@pytest.mark.parametrize("lesson", [entry.id for entry in lessons.catalogue()])
def test_a_lesson_has_enough_exercises(lesson):
    exercises = lessons.load(lesson).exercises
    assert len(exercises) >= (3 if lesson == "start" else 5)


def test_cases_of_functions_differ_between_editions():
    for lesson, name in ALL:
        exercise = _exercise(lesson, name)
        if isinstance(exercise.answer, Function) and not isinstance(exercise.answer, Client):
            one, other = (exercise.cases_on(hospital(seed, "tiny")) for seed in (1, 2))
            assert repr(one) != repr(other), name


@pytest.mark.parametrize("lesson", [entry.id for entry in lessons.catalogue()])
def test_nothing_that_is_computed_changes_an_input(lesson):
    """An input is made once and shared: what a solution or a wrong way did to it, every later check would meet."""
    taught, own = lessons.load(lesson), hospital(4, "tiny")
    for exercise in taught.exercises:
        if isinstance(exercise.answer, Function):
            continue                                        # its functions get the cases of a check, which copies them
        exercise.forget()
        functions = (exercise.solution, *exercise.wrong_ways)
        named = {name for function in functions for name in inspect.signature(function).parameters}
        before = {name: copy.deepcopy(taught.input_of(name, own)) for name in sorted(named)}
        # A session at a live system is another one when it is copied.
        before = {name: value for name, value in before.items() if _same(value, taught.input_of(name, own))}
        for function in functions:
            exercise.computed(function, own)
            for name in before.keys() & inspect.signature(function).parameters:
                assert _same(before[name], taught.input_of(name, own)), f"{exercise.name}.{function.__name__} changed {name}"


def _same(one, other, depth=0):
    """Whether two values of an input hold the same."""
    if one is other or depth > 12:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, (pandas.DataFrame, pandas.Series)):
        return one.equals(other)
    if isinstance(one, numpy.ndarray):
        return numpy.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    if isinstance(one, dict):
        return list(one) == list(other) and all(_same(value, other[name], depth + 1) for name, value in one.items())
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(_same(a, b, depth + 1) for a, b in zip(one, other))
    if type(one).__eq__ is object.__eq__ and hasattr(one, "__dict__"):
        # What one of the two worked out when it was first read, and the other was not asked for yet, changes nothing.
        late = {name for name in vars(one).keys() ^ vars(other).keys() if isinstance(getattr(type(one), name, None), functools.cached_property)}
        kept = [{name: value for name, value in vars(each).items() if name not in late} for each in (one, other)]
        return kept[0].keys() == kept[1].keys() and all(_same(value, kept[1][name], depth + 1) for name, value in kept[0].items())
    return type(one).__eq__ is object.__eq__ or bool(one == other)
