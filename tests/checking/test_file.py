"""File: files read again and compared part by part."""

import json

import hostile
import pytest

from coursekit.checking import File, Outcome


def cards(contents):
    """Index cards, one JSON object a file, by their number."""
    found = {}
    for content in contents:
        if type(content) is not bytes:
            raise ValueError("a card is a file")
        try:
            card = json.loads(content)
            found[f"card {card.pop('number')}"] = card
        except (ValueError, KeyError, AttributeError):
            raise ValueError("a file is no card") from None
    return found


def card(number, **parts):
    return json.dumps({"number": number, **parts}).encode()


@pytest.fixture
def check(ask):
    def solution():
        return [card(1, name="OKAFOR", uid="1.2"), card(2, name="BRANDT", uid="1.3")]

    def first_only():
        return [card(1, name="OKAFOR", uid="1.2"), card(2, name="BRAND", uid="1.3")]

    def old_number():
        return [card(1, name="OKAFOR", uid="9"), card(2, name="BRANDT", uid="9")]

    def in_capitals():
        return [card(1, name="okafor", uid="1.2"), card(2, name="brandt", uid="1.3")]

    kind = File("files", reading=cards, free={"uid": lambda value, card: None if value != "9" else "uid is still the old one."})
    return ask(kind, solution, {first_only: "Only the first is right.", old_number: "Give new numbers.", in_capitals: "Capitals."})


RIGHT = [card(1, name="OKAFOR", uid="1.2"), card(2, name="BRANDT", uid="1.3")]


def test_right_forms(check, tmp_path):
    for number, content in enumerate(RIGHT):
        (tmp_path / f"{number}.json").write_bytes(content)
    paths = sorted(tmp_path.iterdir())
    for given in (RIGHT, tuple(reversed(RIGHT)), paths, [str(path) for path in paths], tmp_path, str(tmp_path),
                  [bytearray(one) for one in RIGHT], dict(enumerate(RIGHT)),
                  [card(1, name="OKAFOR", uid="1.77"), card(2, name="BRANDT", uid="1.78")]):
        assert check(given).correct, given


def test_file_and_part_are_named_and_not_the_value(check):
    assert check(RIGHT[:1]).message == "card 2 is missing."
    assert check([*RIGHT, card(3, name="X", uid="1")]).message == "card 3 was not asked for."
    assert check([RIGHT[0], card(2, name="SILVA", uid="1.3")]).message == "In card 2: name is not right."
    assert check([RIGHT[0], card(2, uid="1.3")]).message == "In card 2: name is missing."
    assert check([RIGHT[0], card(2, name="BRANDT", uid="1.3", ward="4B")]).message == "In card 2: ward does not belong there."


def test_the_first_wrong_part_decides_the_wrong_way(check):
    assert check([RIGHT[0], card(2, name="BRAND", uid="1.3")]).label == "first_only"
    assert check([card(1, name="OKAFOR", uid="9"), card(2, name="whoever", uid="9")]).label == "old_number"
    assert check([card(1, name="okafor", uid="9"), RIGHT[1]]).label == "in_capitals"


def test_what_is_no_file_is_said(check, tmp_path):
    (tmp_path / "empty").mkdir()
    assert check(...).outcome is Outcome.NOT_ANSWERED
    assert "no file of that name" in check(str(tmp_path / "nothing.dcm")).message
    assert "empty" in check(tmp_path / "empty").message
    assert check([b"no card"]).message == "A file is no card."
    assert check([]).label == "unreadable"


def test_hostile_answers_get_a_sentence(check):
    for label, make in hostile.VALUES:
        for given in (make(), [RIGHT[0], make()]):
            verdict = check(given)
            assert verdict.outcome is Outcome.NOT_YET and len(verdict.message) > 10, label


def test_a_question_ends_with_one_mark(ask):
    def reading(contents):
        if contents != [b"right"]:
            raise ValueError("this is no card; was it closed?")
        return {"card": {"It": "there"}}

    def solution():
        return b"right"

    assert ask(File("card", reading=reading), solution, {})(b"wrong").message == "This is no card; was it closed?"
