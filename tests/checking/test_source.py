"""The source of a solution, as the learner would have written it."""

from coursekit.checking.source import FunctionSource


def in_a_list(numbers):
    # Twice each.
    doubled = []
    for number in numbers:
        doubled.append(2 * number)
    return doubled


def at_once(doubled):
    return doubled


def test_the_return_becomes_an_assignment():
    assert FunctionSource(in_a_list).as_assignment("answer").splitlines()[-1] == "answer = doubled"
    assert FunctionSource(in_a_list).as_assignment("one, two").splitlines()[-1] == "one, two = doubled"


def test_nothing_is_assigned_to_itself():
    lines = FunctionSource(in_a_list).as_assignment("doubled").splitlines()
    assert lines[0] == "# Twice each." and lines[-1] == "    doubled.append(2 * number)"
    assert FunctionSource(at_once).as_assignment("doubled") == "doubled = doubled"      # which says that it is the input
