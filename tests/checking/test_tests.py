"""Tests: tests of the learner's, judged by good and faulty systems."""

import contextlib

import hostile
import pytest

from coursekit.checking import Outcome, Tests
from coursekit.checking.kinds.tests import Fault


class Adder:
    """A system that adds; a faulty one can't add negative numbers, answers late, or is down."""

    def __init__(self, fault):
        self.fault = fault

    def add(self, *numbers):
        if self.fault == "down":
            raise ConnectionError("refused")
        if self.fault == "positive":
            numbers = [abs(one) for one in numbers]
        return sum(numbers[:2] if self.fault == "two" else numbers)


FAULTS = {"positive": Fault("forgets the sign", ("R1",), ("R3",)), "two": Fault("adds two numbers only", ("R2",)),
          "down": Fault("does not answer", ("R3",))}


@contextlib.contextmanager
def stage(draw):
    yield [((Adder(None),), None), ((Adder("good"),), None), *(((Adder(name),), fault) for name, fault in FAULTS.items())]


def only_happy(fault):
    return True


def refuses_all(fault):
    return False


def only_when_up(fault):
    return fault is None or fault.says != "does not answer"


def solution(system):
    assert system.add(1, -1) == 0
    assert system.add(1, 1, 1) == 3


@pytest.fixture
def check(ask):
    return ask(Tests("my_tests"), solution, {only_happy: "Only the happy path.", refuses_all: "Nothing passes.", only_when_up: "It answers, and answers wrongly."}, stage=stage)


def test_good_tests_in_several_forms(check):
    assert check(solution).correct
    assert check(lambda system: system.add(-1, 2, 3) == 4).correct
    assert check(lambda system: bool(system.add(-1, 2, 3) == 4)).correct


def test_what_was_accepted_or_refused_wrongly_is_told(check):
    assert check(lambda system: True).message == (
        "Your tests find 0 of 3 faulty systems. They accept one that forgets the sign. Only the happy path.")
    assert check(lambda system: False).label == "refuses_all"
    verdict = check(lambda system: system.add(1, -1) == 0)
    assert verdict.message.startswith("Your tests find 2 of 3 faulty systems. They accept one that adds two numbers only.")
    assert "`KeyError`" in check(lambda system: {}["x"]).message
    assert check(lambda system: 7).label == "unreadable"


def test_a_return_that_is_missing(check):
    def all_the_time(system):
        return_value = system.add(1, -1) == 0  # noqa: F841

    def for_good_ones(system):
        if system.add(1, -1) != 0 or system.add(1, 1, 1) != 3:
            return False

    verdict = check(all_the_time)
    assert verdict.label == "nothing returned" and "for some" not in verdict.message.lower(), verdict
    verdict = check(for_good_ones)
    assert verdict.label == "nothing returned" and verdict.message.startswith("For some of the systems"), verdict


def test_a_wrong_way_is_told_only_where_it_was_gone(ask):
    def misses_two(fault):
        return fault is None or fault.says == "does not answer"

    def misses_one(fault):
        return fault is None or fault.says == "forgets the sign"

    def misses_all(fault):
        return True

    check = ask(Tests("my_tests"), solution, {misses_all: "All.", misses_two: "Two.", misses_one: "One."}, stage=stage)
    assert check(lambda system: system.add(1, 1, 1) == 3).label == "misses_one"         # and not all
    assert check(lambda system: system.add(1, -1) == 0).label == "missed"               # the second fault alone: no idea is like that
    assert check(lambda system: True).label == "misses_all"


def test_a_remark_speaks_first(ask):
    def remark(arguments, fault, said):
        return f"{arguments[0].fault}, {fault and fault.says}, {said and sorted(said)}." if fault is None else None

    check = ask(Tests("my_tests", named=True, remark=remark), named, NAMED_WAYS, stage=stage)
    assert check(lambda system: ["R1", "R2"]).message.endswith("naming R1, R2. None, None, ['R1', 'R2'].")
    assert check(lambda system: []).label == "none_ever"


def test_untouched_and_hostile(check):
    assert check(...).outcome is Outcome.NOT_ANSWERED
    for label, make in hostile.VALUES:
        assert check(make()).outcome is Outcome.NOT_YET, label


def test_not_all_need_be_found(ask):
    check = ask(Tests("my_tests", least=2), solution, {refuses_all: "1", only_happy: "2", only_when_up: "3"}, stage=stage)
    assert check(lambda system: system.add(1, -1) == 0).correct


def named(system):
    wrong = []
    try:
        if system.add(1, -1) != 0:
            wrong.append("R1")
        if system.add(1, 1, 1) != 3:
            wrong.append("R2")
    except ConnectionError:
        wrong.append("R3")
    return wrong


def names_all(fault):
    return ["R1", "R2", "R3"]


def none_ever(fault):
    return []


def first_only(fault):
    return ["R1"] if fault else []


NAMED_WAYS = {names_all: "One fault breaks one.", none_ever: "Is none wrong?", first_only: "Go on."}


def test_requirements_by_name(ask):
    check = ask(Tests("my_tests", named=True), named, NAMED_WAYS, stage=stage)
    assert check(named).correct
    assert check(lambda system: ", ".join(named(system)).lower()).correct
    assert check(lambda system: {name: name not in named(system) for name in ("R1", "R2", "R3")}).correct
    assert check(lambda system: set(named(system))).correct
    assert check(lambda system: ["R1", "R2", "R3"]).label == "names_all"
    assert "for another reason, naming R2" in check(lambda system: ["R2"] if named(system) else []).message
    assert "refuse a system that meets every requirement, naming R9" in check(lambda system: ["R9"]).message
    assert "True or False" not in check(lambda system: None).message and check(lambda system: True).label == "unreadable"

    def stranded(system):
        return ["R1"] if system.add(1, -1) else ["R2"] if system.add(1, 1, 1) != 3 else []

    assert "your tests stopped with `ConnectionError` (refused), and named nothing" in check(stranded).message

    hanging = check(lambda system: [*named(system), "R2"] if "R1" in named(system) else named(system)).message
    assert "is refused, as it should be; but R2 is named as well, and that it meets. Does that test hang on" in hanging, hanging
    several = check(lambda system: [*named(system), "R2", "R4"] if "R1" in named(system) else named(system)).message
    assert "but R2 and R4 are named as well, and those it meets. Does one of those tests" in several, several
    only_spoiled = check(lambda system: ["R3"] if "R1" in named(system) else named(system)).message
    assert "is refused, naming R3; but what forbids just that is not named" in only_spoiled, only_spoiled

    def asserting(system):
        assert system.fault != "down", "R3: no answer"
        assert not named(system), named(system)[0]
        return []

    assert check(asserting).correct


def test_tests_that_do_not_end_are_stopped(check, monkeypatch):
    monkeypatch.setattr("coursekit.checking.kinds.tests.Tests.seconds", 0.3)

    def endless(system):
        while True:
            pass

    verdict = check(endless)
    assert verdict.label == "time" and verdict.message.startswith("For one of the systems your function did not finish within 0 seconds")
