"""Message: a message compared part by part."""

import hostile
import pytest

from coursekit.checking import Function, Message, Outcome
from coursekit.standards import hl7

RIGHT = "MSH|^~\\&|RIS|HVGH|PACS|HVGH|20250314||ADT^A04|1|P|2.3.1\rPID|||HV1^^^HVGH&2.999.4&ISO~77^^^NATIONAL||Brown \\T\\ Sons^Ann\r"


@pytest.fixture
def check(ask):
    def other_authority():
        return RIGHT.replace("HV1^^^HVGH", "HV1^^^NMGH")

    kind = Message("message", reading=hl7.parts, objects=[hl7.Message], ignore=("MSH-7.",),
                   free={"MSH-10.1": lambda value, parts: None if value.isdigit() else "MSH-10 is no number here."})
    return ask(kind, lambda: RIGHT, {other_authority: "That is the other hospital's authority."})


@pytest.mark.parametrize("form", [
    RIGHT, RIGHT.encode(), hl7.parse(RIGHT), RIGHT.replace("\r", "\n"), RIGHT.replace("20250314", "20240101"), RIGHT.replace("|1|P", "|99|P"),
    RIGHT.replace("^~\\&", "^~$&").replace("\\T\\", "$T$"), RIGHT.replace("Ann", "Ann^^^"), bytearray(RIGHT.encode()),
])
def test_right_in_any_form(check, form):
    assert check(form).correct


@pytest.mark.parametrize("wrong, said", [
    (RIGHT.replace("Brown \\T\\ Sons", "Brown & Sons"), "PID-5.1.2 does not belong there."),
    (RIGHT.replace("HV1^", "HV2^"), "PID-3.1 is not right."),
    (RIGHT.replace("~77^^^NATIONAL", ""), "PID-3[2].1 is missing."),
    (RIGHT.replace("|1|P", "|x|P"), "MSH-10 is no number here."),
    (RIGHT + "PV1||I\r", "PV1-2.1 does not belong there."),
    (RIGHT[3:], "A message begins with MSH"), ("", "empty text"), (7, "you gave"), (["MSH"], "you gave"),
])
def test_wrong_is_told_by_its_part(check, wrong, said):
    verdict = check(wrong)
    assert verdict.outcome is Outcome.NOT_YET and said in verdict.message


def test_a_wrong_way_and_hostile_answers(check):
    assert check(RIGHT.replace("HV1^^^HVGH", "HV1^^^NMGH")).label == "other_authority"
    assert check(...).outcome is Outcome.NOT_ANSWERED
    for label, make in hostile.VALUES:
        assert check(make()).outcome is Outcome.NOT_YET, label


def test_an_object_that_is_not_what_its_class_makes_is_no_crash(check):
    for inside in (RIGHT, [RIGHT], None, 7):
        verdict = check(hl7.Message(inside))
        assert verdict.outcome is Outcome.NOT_YET and "that can't be read" in verdict.message


def test_the_order_of_segments_counts(ask):
    text = "MSH|^~\\&|||||||ACK|1|P|2.3.1\rMSA|AA|1\rERR|x\r"
    lines = text.split("\r")
    assert check_of(ask, text)("\r".join([lines[0], lines[2], lines[1], ""])).message == "segments is not right."


def check_of(ask, text):
    return ask(Message("message", reading=hl7.parts, objects=[hl7.Message]), lambda: text)


def test_it_is_what_a_function_may_return(ask):
    def solution(name):
        return RIGHT.replace("Ann", name)

    check = ask(Function("named", result=Message("", reading=hl7.parts, objects=[hl7.Message])), solution, cases=lambda draw: [("Eve",), ("Zoe",)])
    assert check(lambda name: solution(name).encode()).correct
    assert "PID-5.2 is not right" in check(lambda name: RIGHT).message
    assert "`return` missing" in check(lambda name: print(name)).message


def test_with_a_remark_each_of_several_mistakes_is_told_by_itself(ask):
    def other_authority():
        return RIGHT.replace("HV1^^^HVGH", "HV1^^^NMGH")

    def remark(part, given, right, input):
        return f"Look at {given}." if part != "MSH-12.1" else None

    kind = Message("message", reading=hl7.parts, remark=remark)
    check = ask(kind, lambda: RIGHT, {other_authority: "That is the other hospital's authority."})
    assert check(RIGHT).correct and check(other_authority()).label == "other_authority"
    assert check(other_authority().replace("|1|P", "|2|P")).label == "other_authority", "it comes with another mistake"
    assert check(RIGHT.replace("|1|P", "|2|P")).message == "MSH-10.1 is not right. Look at 2."
    assert check(RIGHT.replace("|2.3.1", "|2.3")).message == "MSH-12.1 is not right."
    assert check(RIGHT.replace("|1|P", "||P")).message == "MSH-10.1 is missing. Look at None."


def test_what_depends_on_a_wrong_part_is_not_told_before_it(ask):
    text = "MSH|^~\\&|A|||||ACK|1|P|2.5.1\rMSA|AE|7\rERR||PID^1^8|101|E\r"

    def other_code():
        return text.replace("|101|", "|103|")

    def accepted():
        return text.replace("|AE|", "|AA|")

    kind = Message("message", reading=hl7.parts, remark=lambda part, given, right, input: None, first=("segments", "ERR-2.1"),
                   free={"MSH-3.1": lambda value, parts: None})
    check = ask(kind, lambda: text, {other_code: "Not that code.", accepted: "It was not taken."})
    elsewhere = text.replace("PID^1^8", "PV1^1^2^1^1")
    assert check(elsewhere.replace("|101|", "|103|")).message == "ERR-2.1 is not right."
    assert check(text.replace("|101|", "|103|").replace("^8", "^7")).label == "other_code"
    assert check(elsewhere.replace("|AE|", "|AA|")).label == "accepted", "what stands before it is told"
    assert check(text + "ERR||PV1^1^2|101|E\r").message == "segments is not right."
    assert check(text.replace("|A|", "|B|")).correct and check(other_code().replace("|A|", "|B|").replace("|7", "|8")).label == "other_code"
