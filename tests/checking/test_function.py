"""Function: judged on cases, and nothing that it does reaches the notebook."""

import sys
import threading
import time

import hostile
import pytest

from coursekit.checking import Function, Number, Outcome, Text


def solution(values, factor):
    return sum(values) * factor


def cases(draw):
    return [([draw.randrange(100) for _ in range(5)], draw.randrange(1, 9)) for _ in range(20)]


def _check(ask):
    def without_factor(values, factor):
        return sum(values)

    return ask(Function("total", result=Number()), solution, {without_factor: "The factor is missing."}, cases)


def test_right_forms(ask, capsys):
    check = _check(ask)

    def noisy(values, factor):
        print("hello")
        print("oops", file=sys.stderr)
        return sum(values) * factor

    def changes(values, factor):
        total = 0
        while values:
            total += values.pop()
        return total * factor

    def warns(values, factor):
        import warnings

        warnings.warn("careful", stacklevel=1)
        return float(sum(values) * factor)

    for function in (solution, noisy, changes, warns, lambda values, factor: sum(values) * factor, lambda *a: str(solution(*a))):
        assert check(function).correct
    assert capsys.readouterr() == ("", "")


def test_wrong_is_diagnosed(ask):
    check = _check(ask)
    assert check(lambda values, factor: sum(values)).label == "without_factor"
    verdict = check(lambda values, factor: sum(values) * factor + (factor > 4))
    assert verdict.label == "value" and "`total([" in verdict.message and "cases tried" in verdict.message
    assert check(lambda v, f: print(v)).label == "unreadable" and "return" in check(lambda v, f: print(v)).message
    assert check(5).label == "unreadable" and check("total").label == "unreadable" and check(None).label == "unreadable"


def untouched(values, factor):
    ...


def documented(values, factor):
    """My function."""
    ...


def passed(values, factor):
    pass


def test_untouched_is_not_answered(ask):
    check = _check(ask)
    for function in (untouched, documented, passed, ...):
        assert check(function).outcome is Outcome.NOT_ANSWERED
    assert check(lambda values, factor: 0).outcome is Outcome.NOT_YET


@pytest.mark.parametrize(("name", "make"), hostile.FUNCTIONS, ids=[name for name, _ in hostile.FUNCTIONS])
def test_hostile_functions(ask, name, make):
    verdict = _check(ask)(make())
    assert verdict.outcome is Outcome.NOT_YET and len(verdict.message) > 10
    assert verdict.label in ("error", "unreadable", "value"), verdict


@pytest.mark.parametrize(("name", "make"), hostile.SLOW_FUNCTIONS, ids=[name for name, _ in hostile.SLOW_FUNCTIONS])
def test_endless_loops_are_stopped(ask, name, make):
    before = sys.stdout
    start = time.monotonic()
    verdict = _check(ask)(make())
    assert time.monotonic() - start < 8
    assert verdict.label == "time" and "never ends" in verdict.message
    assert sys.stdout is before
    if name == "endless loop":
        assert not any(thread.name == "learner's function" for thread in threading.enumerate())


def test_the_exception_names_the_learners_line(ask):
    def broken(values, factor):
        return values["first"]

    message = _check(ask)(broken).message
    assert "TypeError" in message and 'return values["first"]' in message


def test_redefined_builtins_cost_nothing_and_gain_nothing(ask):
    import builtins

    check = _check(ask)
    original = builtins.any
    try:
        builtins.any = lambda *_: False
        verdict = check(lambda values, factor: 0)
        mine = builtins.any
    finally:
        builtins.any = original
    assert verdict.outcome is Outcome.NOT_YET
    assert mine is not original, "what the learner redefined is theirs again after the check"


def test_text_results(ask):
    check = ask(Function("shout", result=Text(case=True)), lambda word: word.upper(), cases=lambda draw: [("ct",), ("mr",)])
    assert check(lambda word: word.upper()).correct
    assert not check(lambda word: word).correct
