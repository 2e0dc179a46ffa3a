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


def test_the_first_case_that_fails_is_kept_whatever_is_said_of_it(ask):
    check = _check(ask)

    def failed(given):
        check(given)
        return check.exercise.failed

    def sorted_out(values, factor):
        return None if factor > 4 else sum(values) * factor

    for function in (lambda v, f: sum(v), lambda v, f: sum(v) * f + 1, lambda v, f: print(v), sorted_out, lambda v, f: v + 1):
        case = failed(function)
        assert case is not None and (function is not sorted_out or case[1] > 4), function
    assert failed(solution) is None and failed(5) is None and failed(...) is None, "nothing is left of the check before"


def test_a_wrong_way_that_ends_with_an_exception_is_known_by_it(ask):
    def as_text(values, factor):
        return "".join(values) * factor

    check = ask(Function("total", result=Number()), solution, {as_text: "Numbers are added up, not joined."}, cases)
    verdict = check(lambda values, factor: "".join(values) + "!")
    assert verdict.label == "as_text" and "`TypeError`" in verdict.message and verdict.message.endswith("not joined.")
    assert check(lambda values, factor: len(7)).label == "error" and check(lambda values, factor: values + 1).label == "error"


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
    assert time.monotonic() - start < 60                # three seconds, and one more for what can't be ended
    assert verdict.label == "time" and "never ends" in verdict.message
    assert sys.stdout is before
    left = [thread for thread in threading.enumerate() if thread.name == "learner's function"]
    if name == "endless loop":                          # the other one may go on, or be ended between its two tries
        for thread in left:
            thread.join(10)                             # it is told to end, and may not have got on yet
        assert not any(thread.is_alive() for thread in left)
    hostile.ENOUGH.set()
    for thread in left:
        thread.join()
    hostile.ENOUGH.clear()


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


def test_several_mistakes_together_are_known_by_each_of_them(ask):
    def rule(number):
        return int(number > 0 and number % 2 == 0)

    def odd_ones_too(number):
        return int(number > 0)

    def zero_too(number):
        return int(number >= 0 and number % 2 == 0)

    def all_but_the_largest(number):
        return int(rule(number) and number != 8)

    ways = {odd_ones_too: "odd ones are wrong", zero_too: "zero is wrong", all_but_the_largest: "the largest is right"}
    check = ask(Function("rule", result=Number()), rule, ways, cases=lambda draw: [(number,) for number in range(-2, 9)])
    verdict = check(lambda number: int(number >= 0))
    assert verdict.label == "odd_ones_too" and verdict.message.startswith("More than one thing") and verdict.message.endswith("are wrong")
    assert check(lambda number: int(number > 0)).message == "odd ones are wrong"
    for given in (lambda number: 1, lambda number: 0, lambda number: int(rule(number) and number != 6)):
        assert check(given).label == "value"                   # no known mistakes make all of these


def test_a_function_that_prints_instead_of_returning_is_told(ask):
    maybe = Text()
    maybe.read = lambda given: "none" if given is None else Text.read(maybe, given)
    check = ask(Function("first", result=maybe), lambda words: words[0] if words else None, cases=lambda draw: [(["a"],), ([],), (["b"],)])
    assert check(lambda words: words[0] if words else None).correct
    verdict = check(lambda words: print(words))
    assert verdict.label == "nothing" and "Is a `return` missing?" in verdict.message


def test_a_return_that_is_never_reached_is_not_called_missing(ask):
    maybe = Text()
    maybe.read = lambda given: "none" if given is None else Text.read(maybe, given)
    kind = Function("first", result=maybe, remark=lambda case, returned: f"Look at {case[0]}." if returned == "none" else None)
    check = ask(kind, lambda words: words[0], cases=lambda draw: [(["a"],), (["b"],)])

    def never(words):
        for word in words:
            if word == "z":
                return word

    def only_shown(words):
        print(words[0])

    def shown(words):
        return print(words[0])
    assert "missing" not in check(never).message and "the condition before it never holds" in check(never).message
    assert check(never).message.endswith("Look at ['a'].") and "that of `print`" in check(shown).message
    assert "Is a `return` missing?" in check(only_shown).message


def test_a_function_that_uses_none_of_its_parameters_is_told(ask):
    check = ask(Function("total", result=Number()), solution, {}, cases)

    def of_the_notebook(values, factor):
        return 7

    def inside(values, factor):
        return sum(value for value in range(factor)) - 1000
    assert "uses none of what it is called with, `values` and `factor`." in check(of_the_notebook).message
    assert "uses none" not in check(inside).message
    one = ask(Function("double", result=Number()), lambda value: 2 * value, {}, lambda draw: [(1,), (2,)])

    def constant(value):
        return 5
    assert "uses nothing of what it is called with, `value`." in one(constant).message


def test_two_headers_are_shown_whole(ask):
    header = {"study_uid": "2.999.9.1234", "modalities": ["CT", "SR"], "body_part": "THORAX", "side": None, "date": "2024-05-02"}
    check = ask(Function("same", result=Number()), lambda one, other: 1, cases=lambda draw: [(header, header)])
    assert check(lambda one, other: 5).message.count("'date': '2024-05-02'}") == 2


def test_a_failing_case_may_be_explained(ask):
    kind = Function("total", result=Number(), about=lambda values, factor: f"The factor of this case is {factor}.")
    check = ask(kind, solution, {}, cases)
    message = check(lambda values, factor: -7).message
    assert "The factor of this case is" in message and "not the number" not in message and "That case is kept" in message


def test_the_case_is_explained_where_a_function_stops_or_returns_nothing(ask):
    kind = Function("total", result=Text(), about=lambda values, factor: f"The factor of this case is {factor}.")
    check = ask(kind, lambda values, factor: "a", {}, cases)
    for given in (lambda values, factor: print(values), lambda values, factor: values["a"]):
        message = check(given).message
        assert "The factor of this case is" in message and message.endswith("to run it: `total(*t01.q1.failed)`."), message


def test_a_long_case_is_shown_with_its_brackets_closed():
    import datetime

    from coursekit.checking.kinds.function import _shortened

    day = datetime.date(2025, 4, 7)
    assert _shortened({"one": day, "two": [day] * 9, "three": 3}, 50, False) == "{'one': date(2025, 4, 7), …}"
    assert _shortened(list(range(100)), 20, False) == "[0, 1, 2, 3, 4, …]" and len(_shortened(list(range(100)), 60, False)) <= 60
    assert _shortened(["a" * 99], 20, False).endswith("…]") and _shortened("a" * 99, 20, False).endswith("a…")


def test_cases_may_name_an_input_of_the_lesson(ask):
    def own(hospital):
        return 7

    check = ask(Function("double", result=Number()), lambda n: 2 * n, cases=lambda draw, own: [(own,), (draw.randrange(50, 99),)])
    check.exercise.lesson.input(own)
    assert check(lambda n: 2 * n).correct and not check(lambda n: 2 * n if n > 49 else 0).correct


def test_what_a_reading_refuses_is_told_in_a_sentence_of_its_own(ask):
    def side(value):
        if value not in ("left", "right"):
            raise ValueError('return "left" or "right"')
        return value

    check = ask(Function("side", result=Text("", reading=side)), lambda number: "left", cases=lambda draw: [(1,), (2,)])
    told = check(lambda number: "up").message
    assert told == 'For `side(1)` your function returned what can\'t be used here. `up` can\'t be read here: return "left" or "right".'


def test_what_a_case_holds_is_quoted_without_quotes_within(ask):
    class Header:
        pass

    def cases(draw):
        return [(Header(), draw.randrange(9))]

    check = ask(Function("total", result=Number()), lambda header, number: number, {lambda header, number: -number - 1: "Not below zero."}, cases)
    assert "For `total(an object of type Header, " in check(lambda header, number: 77).message


def test_where_nothing_explains_the_case_the_kind_says_what_is_wrong(ask):
    kind = Function("total", result=Number(), about=lambda values, factor: None)
    message = ask(kind, solution, {}, cases)(lambda values, factor: -7).message
    assert "None" not in message and "not the number" in message


def test_a_number_of_numpys_is_shown_as_what_it_is():
    import numpy

    from coursekit.checking.kinds.function import _shortened

    class Lies(float):
        def __repr__(self):
            return "the right one"

    assert _shortened(numpy.float64(0.25)) == "`0.25`" and _shortened(Lies(2)) == "`2.0`"


def test_a_date_in_a_case_is_shown_as_python_writes_it():
    import datetime

    from coursekit.checking.kinds.function import _shortened

    day = datetime.date(2025, 4, 7)
    assert _shortened(day) == "`date(2025, 4, 7)`" and _shortened({"until": day}) == "`{'until': date(2025, 4, 7)}`"


def test_what_is_wrong_with_what_was_returned_can_be_said(ask):
    kind = Function("total", result=Number(), about=lambda values, factor: "About the case.",
                    remark=lambda case, returned: f"{len(case)} arguments, and {returned[0]} came." if returned[0] == -7 else None)
    check = ask(kind, solution, {}, cases)
    assert "2 arguments, and -7 came. That case is kept" in check(lambda values, factor: -7).message
    assert "About the case. That case" in check(lambda values, factor: -8).message
