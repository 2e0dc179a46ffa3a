"""Conformance profiles of HL7 v2 messages: the exercises of lesson hl7-05.

The rules of usage, cardinality and length are those of HL7 v2.5.1 chapter 2, section 2.12 (chapter 2.B since version 2.6) in the wording of
the HL7 v2 Conformance Methodology, Release 1, sections 5.1, 5.2 and 5.5. A profile is data here, {place: rule}, a rule a dict:

usage  : "R", "RE", "O", "X", "C", or "C(a/b)" with a and b among the first four
min, max : how many occurrences a field may have; `max` is None, or "*" as people write it, for any number
length : the most characters of a value, escapes undone
codes  : the values of its table; empty when it has none
if     : the condition of "C(a/b)": (place, "is" or "is not", values), or (place, "is valued" or "is not valued", ())
"""

import re

from coursekit.checking import Config, Fields, Function, Lesson, Message, Server, Set, Text
from coursekit.checking.kinds.text import word_of_a_table
from coursekit.checking.reading import Unclear, plain
from coursekit.errors import CourseError
from coursekit.hospital.draws import Draws
from coursekit.hospital.feed import ENGINE, feed
from coursekit.standards import hl7
from coursekit.systems import mllp
from coursekit.systems.mllp import Listener

lesson = Lesson(
    "hl7-05",
    title="Conformance profiles",
    version=1,
    minutes=90,
    objectives=[
        "read and write a message profile: usage, cardinality, length, table and condition of each element, for sender and receiver",
        "say from two profiles whether a sender and a receiver fit, and what a draft still leaves open",
        "let a receiver check messages against a profile at its door, and answer with the right code and ERR segment",
    ],
    covers=["develop hospital specific conformance profiles"],
    needs=["cpas-01"],
)

EVENTS = ("A01", "A03", "A04", "A08")                # what the hospital's profile is about
WEEK = "2025-03-24 00:00:00", "2025-03-31 00:00:00"
NUMBERS = {                                          # what is wrong -> code of table 0357; version 2.5.1 has no closer ones
    "missing": "101", "not in table": "103", "too long": "102", "too few": "102", "too many": "102", "not supported": "102",
}
SIMPLE = ("R", "RE", "O", "X")


def valued(text):
    """Whether a part of a message (text) says a value: it holds more than separators, and is not the null value."""
    return text.strip("^~&") not in ("", hl7.NULL)


def usage_in(rule, message):
    """The usage of a rule in one message: of "C(a/b)" the outcome of its condition."""
    if "(" not in rule["usage"]:
        return rule["usage"]
    place, word, values = rule["if"]
    value = message[place]
    holds = valued(value) if word.endswith("valued") else value in values
    if " not" in word:
        holds = not holds
    if_true, if_false = rule["usage"][2:-1].split("/")
    return if_true if holds else if_false


def violations(profile, message):
    """What a message (`hl7.Message`) breaks of a profile: a list of (place, what is wrong), what is wrong being a key of NUMBERS.

    A component is looked at in each occurrence of its field that has a value. An element without a row is not looked at. The profile may be
    written as people write it (see `tidied`); raises BadProfile when it can't be understood.
    """
    found = []
    for place, rule in (profile if type(profile) is _Tidy else tidied(profile)).items():
        field, _, component = place.partition(".")
        occurrences = [one for one in message[field].split("~") if valued(one)]
        if component:
            component = int(component)
            texts = [(one.split("^") + [""] * component)[component - 1] for one in occurrences]
        else:
            texts = occurrences or [""]
        wrong = [what for text in texts if (what := _wrong(rule, usage_in(rule, message), text))]
        if not wrong and not component and occurrences and len(occurrences) < rule.get("min", 0):
            wrong = ["too few"]
        if not wrong and not component and len(occurrences) > (rule.get("max", 1) or len(occurrences)):
            wrong = ["too many"]
        if wrong:
            found.append((place, wrong[0]))
    return found


def _wrong(rule, usage, text):
    """What is wrong with one value, or None."""
    if not valued(text):
        return "missing" if usage == "R" else None
    if usage == "X":
        return "not supported"
    if usage == "O":
        return None
    value = hl7.unescape(text)
    if rule.get("length") and len(value) > rule["length"]:
        return "too long"
    return "not in table" if rule.get("codes") and value not in rule["codes"] else None


class BadProfile(CourseError, ValueError):
    """A profile can't be understood; the text says where and why, and can follow a colon."""

    def _render_traceback_(self):
        text = str(self)
        return [f"{text[:1].upper()}{text[1:]}."]


class _Tidy(dict):
    """A profile that has been tidied."""


WORDS = ("is", "is not", "is valued", "is not valued")
CODED = {"PID-8": "sex code", "PV1-2": "class code"}         # where the requirements name codes: the slip that another code is


def tidied(profile):
    """A profile from what a person wrote: small letters, blanks, numbers and codes as text, "*" for any number. Raises BadProfile."""
    try:
        profile = plain(profile)
    except Unclear as unclear:
        raise BadProfile(f"a profile can't hold {unclear}") from None
    if not isinstance(profile, dict):
        raise BadProfile("a profile is a dictionary from the place to its rule")
    rows = {str(place).strip().upper(): rule for place, rule in profile.items()}
    return _Tidy({place: _rule_from(place, rule) for place, rule in rows.items()})


def _rule_from(place, row):
    if not isinstance(row, dict):
        raise BadProfile(f'the rule of `{place}` is a dictionary such as {{"usage": "RE"}}')
    row = {str(name).strip().casefold(): value for name, value in row.items()}
    unknown = next((name for name in row if name not in ("usage", "min", "max", "length", "codes", "if")), None)
    if unknown is not None:
        raise BadProfile(f"the rule of `{place}` has an entry `{unknown[:20]}`, which is none")
    usage = re.sub(r"\s", "", str(row.get("usage", ""))).upper()
    if usage not in (*SIMPLE, "C") and not re.fullmatch(r"C\((R|RE|O|X)/(R|RE|O|X)\)", usage):
        raise BadProfile(f"the usage of `{place}` is none of R, RE, O, X and C(a/b)")
    rule = {"usage": usage}
    for name in ("min", "max", "length"):
        if name in row and not (name == "max" and (row[name] is None or str(row[name]).strip() == "*")):
            text = str(row[name]).strip()
            if isinstance(row[name], bool) or not re.fullmatch(r"\d{1,6}(\.0)?", text):
                raise BadProfile(f"`{name}` of `{place}` is a whole number")
            rule[name] = int(float(text))
        elif name in row:
            rule[name] = None
    if "length" in rule and rule["length"] < 1:
        raise BadProfile(f"`length` of `{place}` is at least 1")
    if "." in place and (rule.get("max", 1) not in (0, 1) or rule.get("min", 0) > 1):
        raise BadProfile(f"`{place}` is a component, and a component can't repeat; only its field can")
    if "codes" in row:
        rule["codes"] = _codes_from(place, row["codes"])
    if "(" in usage:
        rule["if"] = _condition_from(place, row.get("if"))
    elif usage in SIMPLE and row.get("if") not in (None, "", [], ()):
        raise BadProfile(f'`{place}` has an "if", but its usage, {usage}, holds in every message; only C(a/b) has a condition')
    return rule


def _codes_from(place, codes):
    """A list of codes. Text is taken apart at commas and semicolons, and at blanks where codes have a letter each."""
    if isinstance(codes, str):
        codes = [code.strip() for code in re.split(r"[\s,;]+" if place in CODED else "[,;]", codes.strip())]
    if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
        raise BadProfile(f"`codes` of `{place}` is a list of texts")
    return codes


def _condition_from(place, condition):
    if not isinstance(condition, list | tuple) or len(condition) not in (2, 3):
        raise BadProfile(f'`{place}` is conditional, so it needs an "if": (place, word, values)')
    where, word, values = [*condition, []][:3]
    word = " ".join(str(word).casefold().split())
    if word not in WORDS:
        raise BadProfile(f"the word in the condition of `{place}` is one of {', '.join(WORDS)}")
    values = [values] if isinstance(values, str) else values
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BadProfile(f"the values in the condition of `{place}` are a list of texts")
    try:
        hl7.parse("MSH|^~\\&|")[where]
    except hl7.BadPath:
        raise BadProfile(f"the condition of `{place}` begins with a place in a message, such as PV1-2") from None
    return where, word, values


HOUSE = {
    "PID-3": {"usage": "R", "min": 1, "max": 1},
    "PID-3.1": {"usage": "R", "length": 16},
    "PID-3.4": {"usage": "R"},
    "PID-5": {"usage": "R", "min": 1, "max": 3},
    "PID-7": {"usage": "RE"},
    "PID-7.1": {"usage": "R", "length": 8},
    "PID-8": {"usage": "R", "codes": ["F", "M", "O", "U"]},
    "PID-15": {"usage": "RE"},
    "PID-19": {"usage": "X"},
    "PV1-2": {"usage": "R", "codes": ["E", "I", "O"]},
    "PV1-19": {"usage": "R"},
    "PV1-45": {"usage": "C(R/X)", "if": ("MSH-9.2", "is", ["A03"])},
}


# --- inputs

@lesson.input
def week(hospital):
    """All that crossed the engine's connections in the week: a list of the feed's messages."""
    return feed(hospital, *WEEK)


@lesson.input
def good_week(hospital):
    """The week's ADT^A01, A03, A04 and A08 from the HIS, as it has always sent them: a list of `hl7.Message`."""
    return [hl7.parse(one.bytes) for one in lesson.input_of("week", hospital)
            if one.sender == "HIS" and one.receiver == ENGINE and not one.quirks and one.event[:4] == "ADT^" and one.event[4:] in EVENTS]


@lesson.input
def replayed(hospital):
    """The same registrations as the test system of the EMR's new release sent them: a list of `hl7.Message`."""
    return [_as_the_new_release(message) for message in lesson.input_of("good_week", hospital)]


def _as_the_new_release(message):
    """From the EMR to the archive, PID-3 without its assigning authority; everything else as it was."""
    sent = message.copy()
    sent["MSH-3"], sent["MSH-5"] = "EMR", "HV_PACS"
    sent["PID-3"] = f"{message['PID-3.1']}^^^^MR"
    return sent


@lesson.input
def profile(hospital):
    """A short profile of the archive's, to try things with; none of its rows is asked for later."""
    return {"MSH-18": {"usage": "R", "codes": ["UNICODE UTF-8"]}, "EVN-2": {"usage": "R"},
            "EVN-6": {"usage": "C(R/X)", "if": ("MSH-9.2", "is", ["A11", "A12", "A13"])}, "PV1-3": {"usage": "R"}}


PLACES_COUNTED = {                                   # place: its name in the standard
    "PID-3.1": "ID number", "PID-3.4": "assigning authority", "PID-3.5": "identifier type code", "PID-5": "patient name",
    "PID-7": "date/time of birth", "PID-8": "administrative sex", "PID-15": "primary language", "PID-19": "SSN number",
    "PV1-2": "patient class", "PV1-19": "visit number", "PV1-45": "discharge date/time",
}


@lesson.input
def filled(hospital):
    """How often each element has a value: a list of (place, name, per cent in `good_week`, per cent in `replayed`)."""
    weeks = [lesson.input_of(name, hospital) for name in ("good_week", "replayed")]
    return [(place, name, *[100 * sum(valued(message[place]) for message in week) / len(week) for week in weeks])
            for place, name in PLACES_COUNTED.items()]


DRAFT = (       # place, usage, cardinality, what it is: "fine", "odd" (contradicts itself) or "open"
    ("PID-5", "R", "[1..3]", "fine"), ("PID-7", "RE", "[0..1]", "fine"), ("PID-18", "X", "[0..0]", "fine"),
    ("PV1-9", "RE", "[2..3]", "fine"), ("EVN-6", "C(R/X)", "[0..1]", "fine"), ("PID-3", "R", "[0..1]", "odd"),
    ("PID-8", "RE", "[1..1]", "odd"), ("PID-19", "X", "[0..1]", "odd"), ("PV1-19", "R", "[3..2]", "odd"),
    ("PID-15", "O", "[0..1]", "open"), ("PV1-6", "C", "[0..1]", "open"), ("PV1-44", "C(R/O)", "[0..1]", "open"),
)
CONDITIONS = {"EVN-6": "MSH-9.2 is one of A11, A12, A13", "PV1-44": "MSH-9.2 is one of A01, A02, A03"}
LETTERS = "ABCDEFGHIJKL"


@lesson.input
def draft(hospital):
    """The vendor's draft, called an implementation profile: {letter: row}, a row a dict of element, usage, cardinality and condition."""
    return {letter: {"element": place, "usage": usage, "cardinality": cardinality, "condition": CONDITIONS.get(place, "")}
            for letter, (place, usage, cardinality, _) in zip(LETTERS, _rows_of_the_draft(hospital))}


def _rows_of_the_draft(hospital):
    order = Draws(hospital.seed, "hl7-05 draft").raw(len(DRAFT)).tolist()
    return [row for _, row in sorted(zip(order, DRAFT))]


FLAWS = {"MSH-18": "8859/1", "PV1-3": "", "PID-3.4": ""}          # place: what a message of the second attempt says there


@lesson.input
def refused(hospital):
    """A registration of the EMR's second attempt that the archive must not take: one `hl7.Message`."""
    place = list(FLAWS)[hospital.seed % len(FLAWS)]
    message = _plain_registration(hospital)
    message["MSH-3"], message["MSH-5"] = "EMR", "HV_PACS"
    message[place] = FLAWS[place]
    return message


def _plain_registration(hospital):
    """An ADT^A04 of the week with a birth date: a `hl7.Message` of its own."""
    return next(message for message in lesson.input_of("good_week", hospital)
                if message["MSH-9.2"] == "A04" and valued(message["PID-7"]) and "~" not in message["PID-5"]).copy()


@lesson.input
def archives_answer(hospital):
    """How the archive answered a merge whose retired number had lost its assigning authority: the acknowledgement in the feed."""
    return next(hl7.parse(one.bytes) for one in lesson.input_of("week", hospital)
                if one.sender == "HV_PACS" and one.at_utc >= "2025-03-30" and b"|204^" in one.bytes)


# --- the exercises

@lesson.exercise
class UsageOfOneElement:
    """Write `judge(role, usage, known, sent)`. It says what the usage of one element means in one message, in **one of the seven words
    above**.

    - `role` is `"sender"` or `"receiver"`, `usage` one of `"R"`, `"RE"`, `"O"`, `"X"`;
    - `known` is the value that the sender has in its records, `""` if it has none; of a receiver it is always `""`;
    - `sent` is what stands in the message.

    Usage asks whether a value is sent, not whether it is the right one: `known` and `sent` need not be the same text.
    """

    answer = Function("judge", result=Text(reading=lambda value: _word_of_usage(value)),
                      about=lambda role, usage, known, sent: _about_usage(role, usage, known, sent))
    points = 2
    praise = "Usage is a promise of the sender and a duty of the receiver; only O promises nothing."

    def solution(role, usage, known, sent):
        there = valued(sent)
        if usage == "O":
            return "open"
        if role == "sender":
            if usage == "X" and there:
                return "violation"
            if usage == "R" and not there:
                return "violation"
            if usage == "RE" and not there and valued(known):
                return "violation"
            return "ok"
        if there and usage == "X":
            return "ignore"
        if there:
            return "use"
        if usage == "R":
            return "reject"
        return "go on"

    def empty_re_refused(role, usage, known, sent):
        if role == "receiver" and usage == "RE" and not valued(sent):
            return "reject"
        return UsageOfOneElement.solution(role, usage, known, sent)

    def empty_re_never_right(role, usage, known, sent):
        return UsageOfOneElement.solution(role, "R" if role == "sender" and usage == "RE" else usage, known, sent)

    def re_optional_to_send(role, usage, known, sent):
        return UsageOfOneElement.solution(role, usage, "" if usage == "RE" else known, sent)

    def re_optional_to_use(role, usage, known, sent):
        if role == "receiver" and usage == "RE" and valued(sent):
            return "ignore"
        return UsageOfOneElement.solution(role, usage, known, sent)

    def x_may_be_sent(role, usage, known, sent):
        if role == "sender" and usage == "X":
            return "ok"
        return UsageOfOneElement.solution(role, usage, known, sent)

    def x_is_used(role, usage, known, sent):
        if role == "receiver" and usage == "X" and valued(sent):
            return "use"
        return UsageOfOneElement.solution(role, usage, known, sent)

    def x_rejected(role, usage, known, sent):
        if role == "receiver" and usage == "X" and valued(sent):
            return "reject"
        return UsageOfOneElement.solution(role, usage, known, sent)

    def o_allows_all(role, usage, known, sent):
        if usage != "O":
            return UsageOfOneElement.solution(role, usage, known, sent)
        if role == "sender":
            return "ok"
        return "use" if valued(sent) else "go on"

    def o_as_re(role, usage, known, sent):
        return UsageOfOneElement.solution(role, "RE" if usage == "O" else usage, known, sent)

    def null_is_a_value(role, usage, known, sent):
        return UsageOfOneElement.solution(role, usage, known, "value" if sent == '""' else sent)

    def separators_are_a_value(role, usage, known, sent):
        return UsageOfOneElement.solution(role, usage, known, "value" if sent and not sent.strip("^&") else sent)

    def anything_is_a_value(role, usage, known, sent):
        return UsageOfOneElement.solution(role, usage, known, "value" if sent else "")

    def zero_is_no_value(role, usage, known, sent):
        return UsageOfOneElement.solution(role, usage, known, "" if sent == "0" else sent)

    def sent_as_it_is_known(role, usage, known, sent):
        if role == "sender" and usage in ("R", "RE") and sent != known:
            return "violation"
        return UsageOfOneElement.solution(role, usage, known, sent)

    def x_always_ignored(role, usage, known, sent):
        if role == "receiver" and usage == "X":
            return "ignore"
        return UsageOfOneElement.solution(role, usage, known, sent)

    def r_only_if_known(role, usage, known, sent):
        return UsageOfOneElement.solution(role, "RE" if role == "sender" and usage == "R" else usage, known, sent)

    def r_forgiven(role, usage, known, sent):
        return UsageOfOneElement.solution(role, "RE" if role == "receiver" and usage == "R" else usage, known, sent)

    wrong_ways = {
        empty_re_refused: "You let the receiver refuse a message because an RE element is empty. RE is *required, but "
        "may be empty*: the receiver must be able to use it when it comes, and must not raise an error when it does "
        "not (HL7 v2.5.1 2.12; Methodology table 5.3).",
        empty_re_never_right: "You call every empty RE element a violation of the sender's. A sender that does not know the value leaves "
        "it out, and that is conformant: look at `known`.",
        re_optional_to_send: "You let the sender leave out what it knows. RE is not *optional*: the capability must be there, and what is "
        "known must be sent. Only the value may be lacking (Methodology 5.1.1).",
        re_optional_to_use: "You let the receiver pass over an RE element that came. *May be empty* is about the message; to support "
        "the element is required, of the receiver too.",
        x_may_be_sent: "You find nothing in an X element that was sent. For a sender X means: not supported, must not be valued.",
        x_is_used: "You let the receiver use an X element. It may go on with the message, but must not process what stands in the element.",
        x_rejected: "The standard leaves a receiver free to raise an error when an X element comes; so this is no breach. But this "
        "hospital has made its choice, and it's another one: read what is said of X above.",
        o_allows_all: "You treat O as *anything is right*. O says that the usage has not been decided yet, so there is nothing to hold "
        "sender or receiver to: conformance of an O element can't be tested.",
        o_as_re: "You treat O as RE. RE is a promise; O says that none has been made yet.",
        null_is_a_value: 'You take `""` for a value. The two quotation marks are the null of HL7: *delete what you have*. They tell no '
        "value, so they do not satisfy R, nor RE when the value is known. Ask `valued`.",
        separators_are_a_value: "You take separators alone, `^^^`, for a value. All their parts are empty. Ask `valued`.",
        anything_is_a_value: "You take whatever is not the empty text for a value. HL7's null, `\"\"`, tells none, and "
        "neither do separators alone, `^^^`. Ask `valued`.",
        zero_is_no_value: "You take `0` for no value. It's a value as any other: only what is empty, null or all separators is none.",
        sent_as_it_is_known: "You compare `sent` with `known`. Usage asks whether a value is sent, not which: what the records call `nl` "
        "may well be `nl^Dutch^ISO639` in the message.",
        x_always_ignored: "Of an X element you say one and the same word, whatever was sent. Where "
        "no value came, there is nothing to ignore.",
        r_only_if_known: "You excuse the sender of an R element by not knowing the value. That is "
        "RE. Who promises R must have a value, always.",
        r_forgiven: "You let the receiver go on when an R element is missing. R is what it can't "
        "work without: it must say so to the sender.",
    }
    hints = [
        "Settle `O` first: it gets the same word whatever else is given. Then take sender and receiver one after the other.",
        "Start with `there = valued(sent)`. Then each row and side of the table of usages is one `if`.",
        "Of the sender, RE is the only usage for which `known` matters. Of the receiver: what may be absent, and what must not be touched?",
    ]

    def cases(draw):
        value = draw.choice(["V21000797", "19630812", "HV103333", "nl"]) + draw.choice(["", "1", "2"])
        cases = []
        for usage in SIMPLE:
            cases += [("sender", usage, value, value), ("sender", usage, value, ""), ("sender", usage, "", ""),
                      ("receiver", usage, "", value), ("receiver", usage, "", "")]
        cases += [("sender", "R", value, '""'), ("sender", "RE", value, '""'), ("sender", "R", "", '""'), ("receiver", "R", "", '""'),
                  ("receiver", "RE", "", '""'), ("sender", "R", value, "^^^"), ("sender", "RE", value, "^^^"), ("sender", "RE", "", "^^^"),
                  ("sender", "X", "", "^^^"), ("receiver", "R", "", "^^^"), ("receiver", "RE", "", "^^^"), ("receiver", "X", "", "^^^"),
                  ("sender", "R", "0", "0"), ("sender", "RE", "0", "0"), ("sender", "X", "0", "0"), ("receiver", "RE", "", "0"),
                  ("sender", "R", value, f"{value}^^^HVGH"), ("sender", "RE", value, f"{value}^^^HVGH"), ("sender", "RE", "", value),
                  ("sender", "R", "", value), ("sender", "X", "", value), ("sender", "O", "", value), ("sender", "RE", value, "^^^&&"),
                  ("receiver", "R", "", "^^^&&")]
        draw.shuffle(cases)
        return cases


_SEVEN = ("ok", "violation", "use", "ignore", "go on", "reject", "open")


def _word_of_usage(value):
    """One of the seven words of exercise 1."""
    word = word_of_a_table(value)
    if word not in _SEVEN:
        raise ValueError("it is none of the seven words in the table above")
    return word


def _about_usage(role, usage, known, sent):
    """What to look at in a case of exercise 1."""
    told = "a value" if valued(sent) else "no value"
    if role == "sender":
        return f"There the sender {'knows a' if valued(known) else 'knows no'} value, and {told} is sent. What does {usage} promise?"
    return f"There {told} has come. What must a receiver do then with {usage}?"


@lesson.exercise
class UsageByCondition:
    """Write `usage_now(rule, message)`: the usage of an element **in this message**, `"R"`, `"RE"`, `"O"` or `"X"`.

    - `rule["usage"]` is one of these four, or a condition's such as `"C(R/X)"`;
    - `rule["if"]` is the condition: `(place, word, values)`, where `word` is `"is"`, `"is not"`, `"is valued"` or `"is not valued"`;
    - `message` is a message that gives its parts by name: `message["PV1-2"]`.

    A rule without a condition has no `"if"`.
    """

    answer = Function("usage_now", result=Text(), about=lambda rule, message: (
        f"The rule there is `{rule}`" + (f", and `{rule['if'][0]}` {_holding(message[rule['if'][0]])}." if "if" in rule else ".")))
    points = 2
    praise = "So one row of a profile serves for many events: the message itself says which half of it holds."

    def solution(rule, message):
        usage = rule["usage"]
        if not usage.startswith("C"):
            return usage
        place, word, values = rule["if"]
        value = message[place]
        if word == "is":
            holds = value in values
        elif word == "is not":
            holds = value not in values
        elif word == "is valued":
            holds = valued(value)
        else:
            holds = not valued(value)
        if_true, if_false = usage[2:-1].split("/")
        if holds:
            return if_true
        return if_false

    def _outcome(rule, holds):
        if_true, if_false = rule["usage"][2:-1].split("/")
        return if_true if holds else if_false

    def reversed_outcome(rule, message):
        if "if" not in rule:
            return rule["usage"]
        if_true, if_false = rule["usage"][2:-1].split("/")
        return if_false if UsageByCondition.solution(rule, message) == if_true else if_true

    def always_r_or_x(rule, message):
        if "if" not in rule:
            return rule["usage"]
        return UsageByCondition.solution({**rule, "usage": "C(R/X)"}, message)

    def first_value_only(rule, message):
        if "if" not in rule:
            return rule["usage"]
        place, word, values = rule["if"]
        return UsageByCondition.solution({**rule, "if": (place, word, values[:1])}, message)

    def not_forgotten(rule, message):
        if "if" not in rule:
            return rule["usage"]
        place, word, values = rule["if"]
        return UsageByCondition.solution({**rule, "if": (place, word.replace(" not", ""), values)}, message)

    def null_is_a_value(rule, message):
        if "if" in rule and message[rule["if"][0]] == '""' and "valued" in rule["if"][1]:
            return UsageByCondition._outcome(rule, rule["if"][1] == "is valued")
        return UsageByCondition.solution(rule, message)

    def separators_are_a_value(rule, message):
        if "if" in rule and "valued" in rule["if"][1]:
            return UsageByCondition._outcome(rule, (message[rule["if"][0]] not in ("", '""')) == (rule["if"][1] == "is valued"))
        return UsageByCondition.solution(rule, message)

    def anything_is_a_value(rule, message):
        if "if" in rule and "valued" in rule["if"][1]:
            return UsageByCondition._outcome(rule, (message[rule["if"][0]] != "") == (rule["if"][1] == "is valued"))
        return UsageByCondition.solution(rule, message)

    def case_forgiven(rule, message):
        if "if" in rule and "valued" not in rule["if"][1]:
            place, word, values = rule["if"]
            found = message[place].upper() in [value.upper() for value in values]
            return UsageByCondition._outcome(rule, found == (word == "is"))
        return UsageByCondition.solution(rule, message)

    def outer_letters(rule, message):
        if "if" not in rule:
            return rule["usage"]
        return rule["usage"][2 if UsageByCondition._holds(rule, message) else -2]

    def counted_letters(rule, message):
        if "if" not in rule:
            return rule["usage"]
        return rule["usage"][2 if UsageByCondition._holds(rule, message) else 4]

    def _holds(rule, message):
        return UsageByCondition.solution({"usage": "C(R/X)", "if": rule["if"]}, message) == "R"

    def _not_true_of(texts, rule, message):
        if "if" in rule and rule["if"][1] == "is not" and message[rule["if"][0]] in texts:
            return UsageByCondition._outcome(rule, False)
        return UsageByCondition.solution(rule, message)

    def empty_is_no_answer(rule, message):
        return UsageByCondition._not_true_of(("",), rule, message)

    def null_is_no_answer(rule, message):
        return UsageByCondition._not_true_of(('""',), rule, message)

    def no_value_is_no_answer(rule, message):
        return UsageByCondition._not_true_of(("", '""'), rule, message)

    def part_of_the_text(rule, message):
        if "if" in rule and "valued" not in rule["if"][1]:
            place, word, values = rule["if"]
            found = any(message[place].startswith(value) for value in values)
            return UsageByCondition._outcome(rule, found == (word == "is"))
        return UsageByCondition.solution(rule, message)

    def conditional_is_optional(rule, message):
        return "O" if "if" in rule else rule["usage"]

    wrong_ways = {
        reversed_outcome: "You took the outcomes the other way round. In C(a/b), **a** holds when the condition is true and **b** when it "
        "is false. Read C(R/X) as *required if, else not supported*.",
        always_r_or_x: "You return R or X whatever stands between the parentheses. That was the meaning of the plain C of version 2.5; in "
        "C(a/b) both outcomes are written down. Take them from the text.",
        first_value_only: "You compare with the first of the values only. The condition holds for each of them: `value in values`.",
        not_forgotten: "You overlook the word *not*: `is not` and `is not valued` are the reverse of `is` and `is valued`.",
        null_is_a_value: 'You take `""` for a value. It says *delete*, and tells none; ask `valued`.',
        separators_are_a_value: "You take an element that holds separators only, such as `^^^`, for a valued one. "
        "There is no value among them; ask `valued`.",
        anything_is_a_value: 'You take whatever is not the empty text for a value. `""` says *delete*, and separators alone hold nothing; '
        "neither tells a value. Ask `valued`.",
        case_forgiven: "You take small and capital letters for the same. Codes are compared as they stand: `i` is not `I`.",
        part_of_the_text: "You are content with a part of what the place holds. *Is* compares the whole text: `WARD 2A` "
        "is not `WARD 2`, and `ADT^A03` is not `ADT`.",
        outer_letters: "You take single letters out of the usage. An outcome may have two, RE: split what "
        "stands between the parentheses at the `/`.",
        counted_letters: "You take the outcomes from fixed places in the usage. An outcome may have two letters, RE, and then "
        "everything behind it moves: split at the `/`.",
        empty_is_no_answer: "You let a condition with `is not` fail because the element is empty. What is not there is none of the values, "
        "so *is not* is true. If a profile wants both, it must say both.",
        null_is_no_answer: 'You let a condition with `is not` fail because the element holds `""`. The null of HL7 is none of the values '
        "either, so *is not* is true. The words `is` and `is not` only compare texts; they don't ask whether there is a value.",
        no_value_is_no_answer: "You let a condition with `is not` fail where there is no value. What is empty or null is none of the "
        "values, so *is not* is true. Only `is valued` and `is not valued` ask whether there is one.",
        conditional_is_optional: "You return O for what is conditional. Conditional is not optional: in each message the condition is true "
        "or false, and the usage is one of the two that are written down.",
    }
    hints = [
        "First the rules without a condition: return their usage as it is.",
        'Take the rule apart with `place, word, values = rule["if"]`, and the usage as in the cell above.',
        "There are four words, so four ways to find out whether the condition holds. Two of them compare with `values`, two ask `valued`.",
    ]

    def cases(draw):
        visit = f"V{draw.randrange(21000000, 21999999)}"
        messages = [
            _small_message("A03", "E", visit), _small_message("A04", "O", visit), _small_message("A11", "I", ""),
            _small_message("A28", "N", '""'), _small_message("A08", "", "^^^"), _small_message("A04", "i", "0"),
            _small_message("A08", '""', visit), _small_message("A04", "n", visit, "WARD 2"),
        ]
        rules = [
            {"usage": "C(R/X)", "if": ("MSH-9.2", "is", ["A03"])}, {"usage": "C(RE/X)", "if": ("MSH-9.2", "is", ["A11", "A12", "A13"])},
            {"usage": "C(X/R)", "if": ("PV1-2", "is", ["N"])}, {"usage": "C(R/RE)", "if": ("PV1-2", "is not", ["N", "O"])},
            {"usage": "C(R/O)", "if": ("PV1-19", "is valued", [])}, {"usage": "C(RE/X)", "if": ("PV1-19", "is not valued", [])},
            {"usage": "R"}, {"usage": "RE"}, {"usage": "O"}, {"usage": "X"}, {"usage": "C(RE/R)", "if": ("PV1-2", "is", ["I", "E"])},
            {"usage": "C(RE/X)", "if": ("PV1-3.1", "is", ["WARD 2", "WARD 3"])}, {"usage": "C(R/RE)", "if": ("MSH-9", "is", ["ADT"])},
            {"usage": "C(X/R)", "if": ("PV1-3.1", "is not", ["WARD 2"])},
        ]
        cases = [(rule, message) for rule in rules for message in messages]
        draw.shuffle(cases)
        return cases


def _holding(text):
    return f"holds `{text}`" if text else "is empty"


def _small_message(event, kind, visit, ward="WARD 2A"):
    pv1 = f"PV1|1|{kind}|{ward}^^^HVGH" + "|" * 16 + visit
    head = f"MSH|^~\\&|HIS|HVGH|HV_ENGINE|HVGH|20250324081500+0100||ADT^{event}|H1{event}|P|2.5.1"
    return hl7.parse(f"{head}\rPID|1||HV100234^^^HVGH\r{pv1}\r")


@lesson.exercise
class FaultsOfOneField:
    """Write `faults(rule, text)`: what a rule finds wrong with one field. It returns a list of words, in any order, `[]` if nothing
    is wrong:

    - `"usage"`: the field is R and has no value, or X and has one;
    - `"cardinality"`: it has too few or too many occurrences;
    - `"length"`: one of its occurrences is too long;
    - `"table"`: one of its occurrences is not among the codes.

    `rule` has `usage` (`"R"`, `"RE"` or `"X"`), `min`, `max` and `length`, always numbers, and `codes`, `[]` when the field has no table.
    `text` is the field as it stands in the message. Where the usage is wrong already, look no further; else tell all that is wrong. The
    field has no components, and if it has several occurrences, none of them is empty.
    """

    answer = Function("faults", result=Set(), about=lambda rule, text: _about_field(rule, text))
    points = 3
    praise = "Four questions, always in this order: is it there as it must be, how often, how long, and is it a known code."

    def solution(rule, text):
        there = valued(text)
        if rule["usage"] == "R" and not there:
            return ["usage"]
        if rule["usage"] == "X" and there:
            return ["usage"]
        if not there:
            return []
        found = []
        occurrences = text.split("~")
        if len(occurrences) < rule["min"] or len(occurrences) > rule["max"]:
            found.append("cardinality")
        for one in occurrences:
            value = hl7.unescape(one)
            if len(value) > rule["length"]:
                found.append("length")
            if rule["codes"] and value not in rule["codes"]:
                found.append("table")
        return found

    def length_of_the_field(rule, text):
        found = [word for word in FaultsOfOneField.solution(rule, text) if word != "length"]
        too_long = len(hl7.unescape(text)) > rule["length"] and valued(text) and rule["usage"] != "X"
        return found + ["length"] * too_long

    def escapes_counted(rule, text):
        found = [word for word in FaultsOfOneField.solution(rule, text) if word != "length"]
        too_long = any(len(one) > rule["length"] for one in text.split("~")) and valued(text) and rule["usage"] != "X"
        return found + ["length"] * too_long

    def bytes_counted(rule, text):
        found = [word for word in FaultsOfOneField.solution(rule, text) if word != "length"]
        too_long = any(len(hl7.unescape(one).encode()) > rule["length"] for one in text.split("~"))
        return found + ["length"] * (too_long and valued(text) and rule["usage"] != "X")

    def unescaped_before_the_split(rule, text):
        return FaultsOfOneField.solution(rule, "~".join(hl7.escape(one) for one in hl7.unescape(text).split("~")))

    def codes_with_escapes(rule, text):
        found = [word for word in FaultsOfOneField.solution(rule, text) if word != "table"]
        unknown = bool(rule["codes"]) and any(one not in rule["codes"] for one in text.split("~"))
        return found + ["table"] * (unknown and valued(text) and rule["usage"] != "X")

    def escapes_left(rule, text):
        if not valued(text) or rule["usage"] == "X":
            return FaultsOfOneField.solution(rule, text)
        return FaultsOfOneField.solution(rule, text.replace("\\", "\\E\\"))

    def length_one_short(rule, text):
        return FaultsOfOneField.solution({**rule, "length": rule["length"] - 1}, text)

    def repetitions_after_the_first(rule, text):
        return FaultsOfOneField.solution({**rule, "max": rule["max"] + 1}, text)

    def max_ignored(rule, text):
        return FaultsOfOneField.solution({**rule, "max": max(rule["max"], 99)}, text)

    def cardinality_ignored(rule, text):
        return [word for word in FaultsOfOneField.solution(rule, text) if word != "cardinality"]

    def min_of_r_only(rule, text):
        return FaultsOfOneField.solution(rule if rule["usage"] == "R" else {**rule, "min": 0}, text)

    def min_when_absent(rule, text):
        if rule["usage"] == "RE" and not valued(text) and rule["min"] > 0:
            return ["cardinality"]
        return FaultsOfOneField.solution(rule, text)

    def min_ignored(rule, text):
        return FaultsOfOneField.solution({**rule, "min": 0}, text)

    def empty_re_refused(rule, text):
        return ["usage"] if rule["usage"] == "RE" and not valued(text) else FaultsOfOneField.solution(rule, text)

    def x_passed_over(rule, text):
        return [] if rule["usage"] == "X" else FaultsOfOneField.solution(rule, text)

    def null_is_a_value(rule, text):
        return FaultsOfOneField.solution(rule, "xx" if text == '""' else text)

    def first_occurrence_only(rule, text):
        found = FaultsOfOneField.solution({**rule, "min": 0}, text.split("~")[0])
        return found + [word for word in FaultsOfOneField.solution(rule, text) if word == "cardinality"]

    def last_occurrence_only(rule, text):
        found = FaultsOfOneField.solution({**rule, "min": 0}, text.split("~")[-1])
        return found + [word for word in FaultsOfOneField.solution(rule, text) if word == "cardinality"]

    def cardinality_is_the_last_word(rule, text):
        found = FaultsOfOneField.solution(rule, text)
        return ["cardinality"] if "cardinality" in found else found

    def case_forgiven(rule, text):
        codes = rule["codes"] + [code.lower() for code in rule["codes"]]
        return FaultsOfOneField.solution({**rule, "codes": codes}, text)

    def empty_table_forbids_all(rule, text):
        found = FaultsOfOneField.solution(rule, text)
        return found + ["table"] if not rule["codes"] and valued(text) and rule["usage"] != "X" else found

    def no_table_for_the_whole(rule, text):
        found = [word for word in FaultsOfOneField.solution(rule, text) if word != "table"]
        unknown = bool(rule["codes"]) and valued(text) and rule["usage"] != "X" and text not in rule["codes"]
        return found + ["table"] * unknown

    wrong_ways = {
        length_of_the_field: "You count the length over the whole field. The length in a profile is that of one value: occurrences are "
        "counted one by one, and the separator between them belongs to none (Methodology 5.5: length is a matter of primitive elements).",
        escapes_counted: "You count the characters of escape sequences. `\\T\\` stands for one character: it is how the value travels, not "
        "what the receiver stores. Undo the escapes first.",
        bytes_counted: "You count bytes. `ü` is one character, though it takes two bytes in UTF-8; a profile's length counts characters.",
        unescaped_before_the_split: "You undo the escapes before you split. `\\R\\` stands for a `~` that is part of a value, and then "
        "cuts that value in two. First split at `~`, then undo the escapes of each occurrence.",
        codes_with_escapes: "You look up the code as it travels. `\\T\\` stands for `&`: undo the "
        "escapes before you look into the table, too.",
        escapes_left: "You leave the escapes as they travel, for the length and for the table. `\\T\\` stands for one `&`: undo the "
        "escapes of each occurrence with `hl7.unescape` first.",
        length_one_short: "You refuse a value that is just as long as is allowed. `length` is the most characters that a value may have.",
        repetitions_after_the_first: "You allow one occurrence too many, as if the largest number counted what comes after the first. "
        "`max` is the number of occurrences (Methodology 5.2.2).",
        max_ignored: "You never find too many occurrences. A field may come `max` times at most (Methodology 5.2.2).",
        cardinality_ignored: "You never find a wrong number of occurrences. Compare how many there are with `min` and with `max`.",
        min_of_r_only: "You look for too few occurrences in R fields only. RE with [2..3] means: none, or else two to three; a single one "
        "is too few (Methodology 5.2.1).",
        min_when_absent: "You apply `min` to a field that is not there at all. RE with [2..3] means: "
        "none, or else two to three (Methodology 5.2.1).",
        min_ignored: "You never find too few occurrences. A field that is there must come `min` times at least.",
        empty_re_refused: "You call an empty RE field a fault. RE may be empty.",
        x_passed_over: "You find nothing wrong with an X field that has a value. Not supported means that it must not be sent.",
        null_is_a_value: 'You take `""` for a value. It tells none: a required field is still missing, and in one that may be empty '
        "there is nothing to count, to measure or to look up.",
        first_occurrence_only: "You look at the first occurrence only. Length and table hold for each of them.",
        last_occurrence_only: "Only the last occurrence decides. In a loop each one must be able to add its fault; a variable that is set "
        "anew for each occurrence forgets those before it.",
        cardinality_is_the_last_word: "You stop at a wrong number of occurrences. Only where the **usage** is wrong there is nothing more "
        "to look at; here the occurrences are still there to be measured and looked up.",
        case_forgiven: "You take small and capital letters of a code for the same. Codes are compared as they "
        "stand; the archive knows `F`, and not `f`.",
        empty_table_forbids_all: "You call every value unknown when there is no table. Without `codes`, any value will do.",
        no_table_for_the_whole: "You look the whole field up in the table. Each of its "
        "occurrences is a code of its own: split at `~` first.",
    }
    hints = [
        "Settle the usage first, and return at once where it is wrong or where the field is not there.",
        'What remains has a value. `occurrences = text.split("~")` gives what the other three questions are asked of.',
        "Cardinality: compare `len(occurrences)` with `min` and `max`. Length and table: a loop over "
        "the occurrences, with `hl7.unescape(one)`.",
    ]

    def cases(draw):
        codes = draw.sample(["A4", "A5", "A6", "B1", "B2", "B3", "B4"], 3)
        word = "".join(draw.choice("abcdefgh") for _ in range(6))
        table = {"usage": "RE", "min": 0, "max": 3, "length": 2, "codes": codes}
        free = {"usage": "R", "min": 1, "max": 2, "length": 6, "codes": []}
        pair = {"usage": "RE", "min": 2, "max": 3, "length": 6, "codes": []}
        cases = [
            (table, ""), (table, codes[0]), (table, "~".join(codes)), (table, codes[1].lower()), (table, f"{codes[0]}~Z9"), (table, "Z9"),
            (table, "~".join([codes[0]] * 4)), (table, f"{codes[0]}~{codes[1]}9"), ({**table, "usage": "R", "min": 1}, ""),
            (free, word), (free, ""), (free, '""'), (free, word + "x"), (free, f"{word}~{word}"), (free, f"{word}~{word}~{word}"),
            (free, f"{word[:5]}\\T\\"), (free, f"{word[:2]}\\S\\{word[:2]}\\R\\"), (free, f"{word}~{word}xy"),
            (free, f"{word[:2]}~{word[:2]}"),
            (pair, ""), (pair, word), (pair, f"{word}~{word}"), (pair, "~".join([word] * 4)),
            ({**free, "usage": "X", "min": 0, "max": 0}, ""), ({**free, "usage": "X", "min": 0, "max": 0}, word),
            ({**table, "usage": "X", "max": 0}, "Z99"), ({**free, "usage": "RE", "min": 0}, ""), (free, f"{word}\\E\\"),
            (free, f"{word[:5]}ü"), (free, f"{word[:4]}éö~{word}"), ({**table, "length": 3, "codes": ["H&P", "DS"]}, "H\\T\\P"),
            ({**table, "length": 3, "codes": ["H&P", "DS"]}, "DS~H\\T\\P"), (free, f"{word[:2]}\\R\\{word[:2]}~{word}"),
            ({**free, "max": 1}, f"{word[:3]}\\R\\{word[:2]}"), (pair, f"{word[:2]}\\R\\{word[:2]}"), (free, f"{word}\\R\\{word[:3]}"),
            ({**table, "length": 3, "codes": ["A~B", "DS"]}, "A\\R\\B"), (table, f"Z9~{codes[0]}"), (free, f"{word}xy~{word}"),
            (free, "~".join([word] * 4)), (table, "~".join([codes[0]] * 5)), ({**pair, "usage": "R"}, word),
            ({**pair, "usage": "R"}, f"{word}~{word}"),
            (table, "~".join([codes[0]] * 3 + ["Z99"])), (table, '""'), (pair, '""'), (table, codes[0][0]),
            ({**table, "length": 3, "codes": ["&", "DS"]}, "\\E\\T\\E\\"),
        ]
        draw.shuffle(cases)
        return cases


def _about_field(rule, text):
    """What to look at in a case of exercise 3."""
    if not valued(text):
        return "There the field tells no value."
    sizes = [str(len(hl7.unescape(one))) for one in text.split("~")]
    told = f"one occurrence, of {sizes[0]}" if len(sizes) == 1 else f"{len(sizes)} occurrences, of {', '.join(sizes)}"
    undone = ", once the escapes are undone" if "\\" in text else ""
    return f"There the field has {told} characters{undone}. Put the four questions to it, one after the other."


@lesson.exercise
class DraftProfile:
    """The vendor calls `draft` an *implementation profile*. Check it, row by row. Fill in one of three words, in quotes:

    - `"odd"`: usage and cardinality contradict each other, or the cardinality itself makes no sense;
    - `"open"`: the row still leaves something undecided, so it has no place in an implementation profile;
    - `"fine"`: neither.
    """

    answer = Fields("rows", {letter: Text("", reading=lambda value: _draft_word(value)) for letter in LETTERS}, in_order=True,
                    remark=lambda name, given, right, input: _about_row(input("draft")[name], given))
    points = 2
    praise = "What contradicts itself can't be tested, and what is open will be decided by two programmers who never talk to each other."

    def solution(draft):
        words = {}
        for letter in draft:
            usage = draft[letter]["usage"]
            numbers = draft[letter]["cardinality"].strip("[]").split("..")
            least, most = int(numbers[0]), int(numbers[1])
            words[letter] = "fine"
            if "O" in usage or usage == "C":
                words[letter] = "open"
            elif least > most:
                words[letter] = "odd"
            elif usage == "R" and least == 0:
                words[letter] = "odd"
            elif usage == "RE" and least == 1:
                words[letter] = "odd"
            elif usage == "X" and most > 0:
                words[letter] = "odd"
        return words

    def _but(draft, word, *rows):
        """The solution, with another word in the rows of these usages and cardinalities."""
        words = DraftProfile.solution(draft)
        for letter, row in draft.items():
            if (row["usage"], row["cardinality"]) in rows:
                words[letter] = word
        return words

    def r_may_be_zero(draft):
        return DraftProfile._but(draft, "fine", ("R", "[0..1]"))

    def re_must_be_one(draft):
        words = DraftProfile._but(draft, "fine", ("RE", "[1..1]"))
        return words | {letter: "odd" for letter, row in draft.items() if (row["usage"], row["cardinality"]) == ("RE", "[0..1]")}

    def re_one_is_fine(draft):
        return DraftProfile._but(draft, "fine", ("RE", "[1..1]"))

    def re_from_two_is_odd(draft):
        return DraftProfile._but(draft, "odd", ("RE", "[2..3]"))

    def x_with_room(draft):
        return DraftProfile._but(draft, "fine", ("X", "[0..1]"))

    def o_is_decided(draft):
        return DraftProfile._but(draft, "fine", ("O", "[0..1]"))

    def bare_c_is_decided(draft):
        return DraftProfile._but(draft, "fine", ("C", "[0..1]"))

    def c_to_o_is_decided(draft):
        return DraftProfile._but(draft, "fine", ("C(R/O)", "[0..1]"))

    def conditions_are_open(draft):
        return DraftProfile._but(draft, "open", ("C(R/X)", "[0..1]"))

    def re_is_open(draft):
        return DraftProfile._but(draft, "open", ("RE", "[0..1]"), ("RE", "[2..3]"))

    def conditional_needs_one(draft):
        return DraftProfile._but(draft, "odd", ("C(R/X)", "[0..1]"))

    def backwards_is_fine(draft):
        return DraftProfile._but(draft, "fine", ("R", "[3..2]"))

    wrong_ways = {
        r_may_be_zero: "You accept a required element that may come zero times. R needs at least one occurrence (Methodology 5.2.1): which "
        "of the two did the author mean? Nobody can test this row.",
        re_must_be_one: "You have turned RE round. It may be empty, so its smallest number is zero, and an "
        "RE that must come once contradicts itself.",
        re_one_is_fine: "You accept an RE element that must come exactly once. If it must, it is R; if it "
        "may be empty, the smallest number is zero.",
        re_from_two_is_odd: "You take the RE with more than one occurrence for a contradiction. It's the one exception (Methodology "
        "5.2.1): with RE, a smallest number above one means *none at all, or at least so many*.",
        x_with_room: "You accept a row with X that leaves room for an occurrence. What is not supported never occurs.",
        o_is_decided: "You accept a row with O. O says that nobody has decided yet; an implementation profile has none.",
        bare_c_is_decided: "You accept a bare C. Even if its author means what a profile of version 2.5 means by it, C(R/X), the condition "
        "is missing: no program can tell in which messages the element is required. And today's Methodology leaves its outcomes open, too.",
        c_to_o_is_decided: "You accept a condition one of whose outcomes is O. When it is false, that row is as undecided as any O.",
        conditions_are_open: "You take every condition for something undecided. A declared one, with both outcomes and a condition that a "
        "program can evaluate, leaves nothing open.",
        re_is_open: "You take RE for undecided. It's decided: the capability is required of both sides. Only the value may be lacking.",
        conditional_needs_one: "You find a contradiction in the declared condition that may come zero times. It must be able to: where the "
        "condition is false, the element does not come (Methodology, table 5.11).",
        backwards_is_fine: "You accept a cardinality that asks for more than it allows. Read the two numbers.",
    }
    hints = [
        "First find what is open: O anywhere in the usage, and a C that does not say what follows.",
        "Of the rest, compare the first number with the usage: R needs at least one, everything else zero, with one exception.",
        "The exception is RE with a first number above one. And read both numbers of each row: they must make "
        "sense by themselves, and X leaves no room.",
    ]


def _draft_word(value):
    """"fine", "odd" or "open"."""
    word = str(value).strip(" .'\"").casefold()
    word = {"contradiction": "odd", "contradictory": "odd", "ok": "fine", "undecided": "open"}.get(word, word)
    if word not in ("fine", "odd", "open"):
        raise ValueError('give one of the words "fine", "odd" and "open"')
    return word


_BEGINS = {"R": "R asks for at least 1 at the beginning", "RE": "RE asks for 0 at the beginning, or for more than 1",
           "X": "X asks for [0..0]"}


def _about_row(row, given):
    """What to ask about a row of the draft to which a wrong word was given."""
    told = f"{row['element']} has {row['usage']} and {row['cardinality']}. "
    usage = row["usage"]
    if given == "open":
        decided = "both outcomes and the condition stand there" if usage.startswith("C") else f"{usage} says what each side has to do"
        return f"{told}What is undecided there? Not the usage: {decided}. What is left to ask is whether usage and numbers agree."
    if given == "odd":
        asked = _BEGINS.get(usage, f"{usage} asks for 0 at the beginning")
        return f"{told}Which parts contradict each other? {asked}, and so it is. Then ask whether anything is left undecided."
    return f"{told}Can a program tell from this row alone what to do with every message, and do its two halves agree?"


@lesson.exercise
class DoTheyFit:
    """Write `misfits(sender, receiver)`: why one element of a sender's profile does not fit the same element of a receiver's. It
    returns a list of all the words that hold, `[]` if the two fit: `"usage"`, `"cardinality"`, `"length"`, `"table"`.

    Each of the two is a rule with `usage` (`"R"`, `"RE"` or `"X"`), `max` and `length`, always numbers, and `codes`, `[]` for *no table:
    any value*.
    """

    answer = Function("misfits", result=Set(), about=lambda sender, receiver: (
        f"The sender there has {_in_words(sender)}; the receiver {_in_words(receiver)}. {_asked_of_a_pair(sender)}"))
    points = 2
    praise = "Two conformant systems need not work together. Whether they do can be read from two profiles, before anything is sent."

    def solution(sender, receiver):
        if sender["usage"] == "X" and receiver["usage"] != "X":
            return ["usage"]
        if sender["usage"] == "X" or receiver["usage"] == "X":
            return []
        found = []
        if receiver["usage"] == "R" and sender["usage"] != "R":
            found.append("usage")
        if sender["max"] > receiver["max"]:
            found.append("cardinality")
        if sender["length"] > receiver["length"]:
            found.append("length")
        if receiver["codes"] and not sender["codes"]:
            found.append("table")
        if receiver["codes"]:
            for code in sender["codes"]:
                if code not in receiver["codes"]:
                    found.append("table")
        return found

    def _usage(sender, receiver, fits):
        """The solution with another opinion about the usage."""
        found = [word for word in DoTheyFit.solution(sender, receiver) if word != "usage"]
        return found + ["usage"] * (not fits)

    def must_be_equal(sender, receiver):
        return DoTheyFit._usage(sender, receiver, sender["usage"] == receiver["usage"])

    def re_will_do_for_r(sender, receiver):
        right = DoTheyFit.solution(sender, receiver)
        return [word for word in right if word != "usage"] if (sender["usage"], receiver["usage"]) == ("RE", "R") else right

    def re_may_miss_it(sender, receiver):
        return [] if (sender["usage"], receiver["usage"]) == ("X", "RE") else DoTheyFit.solution(sender, receiver)

    def x_receiver_refuses(sender, receiver):
        fits = receiver["usage"] != "X" or sender["usage"] == "X"
        return ["usage"] if not fits else DoTheyFit.solution(sender, receiver)

    def turned_round(sender, receiver):
        return DoTheyFit.solution(receiver, sender)

    def limits_equal(sender, receiver):
        found = DoTheyFit.solution(sender, receiver)
        if "X" not in (sender["usage"], receiver["usage"]):
            found = found + ["cardinality"] * (sender["max"] != receiver["max"]) + ["length"] * (sender["length"] != receiver["length"])
        return found

    def limits_must_be_below(sender, receiver):
        found = DoTheyFit.solution(sender, receiver)
        if "X" not in (sender["usage"], receiver["usage"]):
            found = found + ["cardinality"] * (sender["max"] == receiver["max"]) + ["length"] * (sender["length"] == receiver["length"])
        return found

    def usage_is_the_last_word(sender, receiver):
        found = DoTheyFit.solution(sender, receiver)
        return ["usage"] if "usage" in found else found

    def tables_equal(sender, receiver):
        found = DoTheyFit.solution(sender, receiver)
        if "X" not in (sender["usage"], receiver["usage"]) and sorted(sender["codes"]) != sorted(receiver["codes"]):
            found = found + ["table"]
        return found

    def _table(sender, receiver, fits):
        """The solution with another opinion about the table, where it matters."""
        found = [word for word in DoTheyFit.solution(sender, receiver) if word != "table"]
        if "X" in (sender["usage"], receiver["usage"]):
            return found
        return found + ["table"] * (not fits)

    def tables_written_alike(sender, receiver):
        return DoTheyFit._table(sender, receiver, sender["codes"] == receiver["codes"])

    def tables_counted(sender, receiver):
        return DoTheyFit._table(sender, receiver, len(sender["codes"]) <= len(receiver["codes"]))

    def any_value_is_no_code(sender, receiver):
        right = "table" not in DoTheyFit.solution(sender, receiver)
        return DoTheyFit._table(sender, receiver, right and (bool(receiver["codes"]) or not sender["codes"]))

    def case_forgiven(sender, receiver):
        known = {code.upper() for code in receiver["codes"]}
        fits = not known or sender["codes"] and {code.upper() for code in sender["codes"]} <= known
        return DoTheyFit._table(sender, receiver, fits)

    def one_code_in_common(sender, receiver):
        found = DoTheyFit.solution(sender, receiver)
        common = set(sender["codes"]) & set(receiver["codes"])
        return [word for word in found if word != "table"] if common else found

    def no_table_no_trouble(sender, receiver):
        found = DoTheyFit.solution(sender, receiver)
        return [word for word in found if word != "table"] if not sender["codes"] else found

    def receivers_codes_all_sent(sender, receiver):
        found = [word for word in DoTheyFit.solution(sender, receiver) if word != "table"]
        if "X" in (sender["usage"], receiver["usage"]):
            return found
        return found + ["table"] * bool(set(receiver["codes"]) - set(sender["codes"]))

    def _compared(sender, receiver, too):
        """The solution, but with limits and tables compared `too`, where they don't matter."""
        found = DoTheyFit.solution(sender, receiver)
        return found + DoTheyFit.solution({**sender, "usage": "R"}, {**receiver, "usage": "R"}) if too else found

    def unsupported_compared_too(sender, receiver):
        return DoTheyFit._compared(sender, receiver, "X" in (sender["usage"], receiver["usage"]))

    def never_sent_compared_too(sender, receiver):
        return DoTheyFit._compared(sender, receiver, sender["usage"] == "X" != receiver["usage"])

    def never_sent_always_compared(sender, receiver):
        return DoTheyFit._compared(sender, receiver, sender["usage"] == "X")

    def not_looked_at_compared_too(sender, receiver):
        return DoTheyFit._compared(sender, receiver, receiver["usage"] == "X" != sender["usage"])

    def not_looked_at_always_compared(sender, receiver):
        return DoTheyFit._compared(sender, receiver, receiver["usage"] == "X")

    wrong_ways = {
        must_be_equal: "You ask for the same usage on both sides. A sender that always sends fits a receiver that needs it only now and "
        "then: look at what the one promises and the other needs (Methodology, table 5.8).",
        re_will_do_for_r: "You let RE satisfy R. The sender will leave the element out when it does not know it, "
        "and the receiver will refuse that message.",
        re_may_miss_it: "You let a receiver with RE do without the element for ever. RE says that it has a use for it in some case; from "
        "this sender it will never come. RE is not *may be ignored*.",
        x_receiver_refuses: "You find no fit where the receiver does not support what is sent. It passes over the element; the two fit "
        "(table 5.8: compatible). Whether the hospital can do without it is another question.",
        turned_round: "You have exchanged the sides. The sender's profile is what may come, the receiver's what it can "
        "take: the first must lie within the second.",
        limits_equal: "You ask for the same length and the same number of occurrences. It's enough if the sender "
        "never goes beyond what the receiver can take.",
        limits_must_be_below: "You find no fit where both sides have the same limit. What is just as long, or comes just as "
        "often, as the receiver allows can be taken.",
        usage_is_the_last_word: "You stop at a usage that does not fit. That holds where one side has X. With RE against R values do come, "
        "and they may be too long, too many or unknown as well.",
        tables_equal: "You ask for the same table. A sender that uses fewer codes than the receiver knows does no harm.",
        tables_written_alike: "You ask for the same list of codes in the same order. It's enough if each code that may come is known to "
        "the receiver; and a receiver whose `codes` is `[]` takes any value.",
        tables_counted: "You compare how many codes there are. Three of others are worse than four of its own: look whether each "
        "code that may come is known to the receiver.",
        any_value_is_no_code: "You find codes that are not in the receiver's table where the receiver has none. Its `[]` says *no table: "
        "any value*, so nothing can be wrong there.",
        case_forgiven: "You take small and capital letters of a code for the same. Codes are compared as they stand (part 3).",
        one_code_in_common: "You are content with some codes in common. One code that the receiver "
        "does not know is enough for a refused message.",
        no_table_no_trouble: "You find nothing wrong where the sender has no table. Then it may send "
        "any value, and the receiver knows only some.",
        receivers_codes_all_sent: "You look for the receiver's codes among the sender's. Turn it round: is "
        "each code that may come known to the receiver?",
        unsupported_compared_too: "You compare limits and tables where one side has X. Then nothing is sent or "
        "nothing is looked at, and they don't matter.",
        never_sent_compared_too: "You compare limits and tables where the sender has X. It sends nothing, so nothing can be too long.",
        never_sent_always_compared: "You compare limits and tables where the sender has X. It sends nothing: no value can be too long.",
        not_looked_at_compared_too: "You compare limits and tables where the receiver has X. It ignores what comes, however long it is.",
        not_looked_at_always_compared: "You compare limits and tables where the receiver has X. It does not look at what comes.",
    }
    hints = [
        "Begin with X: what follows if the sender never sends it, and what if the receiver does not look at it?",
        "For usage only one pair remains that does not fit: who may leave out what the other can't work without?",
        "For the rest: may something come that the receiver can't take? A longer value, one more occurrence, a code that it does not know.",
    ]

    def cases(draw):
        length, codes = draw.randrange(8, 20), draw.sample(["E", "I", "O", "P", "R", "B"], 4)
        usual = {"max": 2, "length": length, "codes": []}
        cases = [({"usage": one, **usual}, {"usage": other, **usual}) for one in ("R", "RE", "X") for other in ("R", "RE", "X")]

        def pair(sender=(), receiver=(), usages=("R", "R")):
            cases.append(({"usage": usages[0], **usual, **dict(sender)}, {"usage": usages[1], **usual, **dict(receiver)}))

        for usages in (("R", "R"), ("R", "RE"), ("RE", "RE"), ("RE", "R")):
            pair({"length": length + 1}, {}, usages)
            pair({}, {"length": length + 4}, usages)
            pair({"max": 3}, {}, usages)
            pair({"max": 1}, {"max": 5}, usages)
            pair({"codes": codes[:2]}, {"codes": codes[:3]}, usages)
            pair({"codes": codes[:3]}, {"codes": codes[:2]}, usages)
            pair({"codes": codes[:2]}, {"codes": codes[1:3]}, usages)
            pair({}, {"codes": codes}, usages)
            pair({"codes": codes}, {}, usages)
            pair({"codes": codes[:2]}, {"codes": codes[1::-1]}, usages)
            pair({"codes": [codes[0].lower()]}, {"codes": codes[:2]}, usages)
            pair({"codes": codes[:2]}, {"codes": codes[2:]}, usages)
            pair({"codes": codes[:1]}, {"codes": [codes[0] + codes[1], codes[2]]}, usages)
            pair({"length": 9, "max": 9}, {"length": 16, "max": 10}, usages)
            pair({"length": 16, "max": 10}, {"length": 9, "max": 9}, usages)
        pair({"length": length + 9, "max": 9, "codes": codes}, {"codes": codes[:1]})
        pair({"length": length + 9, "max": 9}, {"codes": codes}, ("R", "X"))
        pair({"length": length + 9, "max": 9}, {"codes": codes}, ("X", "X"))
        pair({"length": length + 9, "max": 9}, {"codes": codes}, ("X", "RE"))
        draw.shuffle(cases)
        return cases


def _asked_of_a_pair(sender):
    """What to ask about a case of exercise 5."""
    if sender["usage"] == "X":
        return "From this sender no value ever comes. Does that fit what this receiver asks for?"
    return "May something be lacking that this receiver can't do without, or something come that it can't take?"


def _in_words(rule):
    """A rule of exercise 5 as a phrase."""
    return f"{rule['usage']}, up to {rule['max']} times, up to {rule['length']} characters, {', '.join(rule['codes']) or 'any value'}"


def _acknowledged(message):
    """The parts of an acknowledgement, with what ERR-2 leaves to be assumed: a field without a repetition is its first (ERL.4), and what a
    field without components holds is its first component, and that one's first subcomponent (2.5.3).

    Taken too: a message in its MLLP frame, and a list of its lines.
    """
    if isinstance(message, list | tuple):
        lines = plain(message)
        if not lines or not all(isinstance(line, str) for line in lines):
            raise ValueError("A message is text, or a list of lines that are text.")
        message = "\r".join(line.strip("\r\n") for line in lines)
    if isinstance(message, bytes):
        message = message.strip(b"\x0b\x1c\r\n")
    elif isinstance(message, str):
        message = message.strip("\x0b\x1c\r\n")
    parts = hl7.parts(message)
    parts = {_SEGMENTS: parts.pop("segments"), **parts}
    if not parts.get("ERR-1.1", "").isdigit():                # the place as older versions wrote it; a number there is none
        parts = {part: text for part, text in parts.items() if not part.startswith("ERR-1.")}
    if parts.get("ERR-3.3") in ("HL70357", "0357"):
        del parts["ERR-3.3"]
    if parts.get("ERR-3.2", "").casefold() not in [text.casefold() for code, text in hl7.ERRORS.items() if code != parts.get("ERR-3.1")]:
        parts.pop("ERR-3.2", None)                            # a text of one's own; that of another code says something else
    parts.setdefault("MSH-9.2", "A04")                        # the event of `refused` in every edition; ACK alone will do
    parts.setdefault("MSH-9.3", "ACK")
    if parts.get("MSH-18.1") in ("UNICODE UTF-8", "ASCII"):
        del parts["MSH-18.1"]
    if "ERR-2.3" in parts:
        parts.setdefault("ERR-2.4", "1")
    if parts.get("ERR-2.5") == "1":
        if parts.get("ERR-2.6") == "1":
            del parts["ERR-2.6"]
        del parts["ERR-2.5"]
    return parts


_SEGMENTS = "The list of its segments"
_ERL = {"1": "the segment", "2": "which segment of that name it is", "3": "the field", "4": "the repetition", "5": "the component",
        "6": "the subcomponent"}


def _at_some_time(text, parts):
    """None if it is a date or time as MSH-7 has it, else a sentence."""
    fits = re.fullmatch(r"(19|20)\d\d(\d\d){2,5}(\.\d{1,4})?([+-]\d{4})?", text)
    return None if fits else "MSH-7 is a date, with or without a time of day, in digits: YYYYMMDDHHMMSS, such as 20250407081500."


def _some_number(text, parts):
    """None if it may be the MSH-10 of an answer, else a sentence."""
    return 'MSH-10 is `""`: that is no number of a message.' if text == hl7.NULL else None


def _about_answer(part, given, right, input):
    """What to look at where a part of the acknowledgement is wrong."""
    place = part.removesuffix(".1")
    if place == "ERR-1":
        return "ERR has no number of its own in front, as PID and OBX have: its first field stays empty, and the place is the second."
    if part == "ERR-3.2":
        return "The text beside the number is that of another number of table 0357. Leave it out, or take the right one."
    if part == "ERR-3.3":
        return "Component 3 of ERR-3 names the table of the code: HL70357."
    if part == _SEGMENTS:
        return "An acknowledgement of one error has three segments in this hospital, in this order: MSH, MSA, ERR."
    if place in ("MSH-3", "MSH-4", "MSH-5", "MSH-6"):
        return "MSH-3 and MSH-4 say who answers, MSH-5 and MSH-6 whom: take them from the message, the other way round."
    if place in ("MSH-7", "MSH-10") and given is None:
        what = "the time at which the answer is made" if place == "MSH-7" else "a number of the answer's own"
        return f"Every message needs it (2.15.9): {what}. What you write there is yours to choose."
    if place == "MSH-9":
        return "An acknowledgement is a message of a type of its own: look at the archive's answer."
    if place in ("MSH-9.2", "MSH-9.3"):
        return "MSH-9 is ACK, then the event of the message that is answered, then ACK once more: look at the MSH-9 of `refused`, too."
    if place in ("MSH-11", "MSH-12"):
        return "Processing ID and version are those of the message that is answered."
    if place == "MSH-18":
        return "This archive works in UNICODE UTF-8: its own answer names that in MSH-18, or nothing."
    if place == "MSA-1":
        if given in ("CA", "CE", "CR"):
            return "Codes with C belong to enhanced mode, which a message asks for in MSH-15 and MSH-16 (2.9.3). `refused` does not."
        return "It is one of AA, AE and AR."
    if place == "MSA-2":
        return "It holds the MSH-10 of the message that you answer."
    if part == "ERR-2.1":
        if given is None:
            return "There is nothing in the second field of ERR, the place. The first field stays empty."
        if re.fullmatch("[A-Z][A-Z0-9]{2}", given.upper()) and given != given.upper():
            return "The name of a segment is written in capital letters."
        if not re.fullmatch("[A-Z][A-Z0-9]{2}", given):
            return "The place begins with the name of a segment. Does it stand in the second field of ERR? The first stays empty."
        return "The fault is in another segment. Compare `refused` with a message of the good week, field by field."
    if part == "ERR-2.3" and None not in (given, right):
        return "Component 3 of ERR-2 says the field; the fault is in another. Count the separators: in MSH, the first of them is MSH-1."
    if part.startswith("ERR-2."):
        number = part[6:]
        if number == "2" and given is None:
            return "Component 2 of ERR-2 says which segment of that name it is, counted from one; it is told where there is but one, too."
        if given is None or right is not None or number not in _ERL:
            return (f"Component {number} of ERR-2 says {_ERL[number]}." if number in _ERL else
                    "ERR-2 has six components: segment, which one of that name, field, repetition, component, subcomponent.")
        return f"It says {_ERL[number]}: name no more than what is wrong. Is it a part of the field, or the whole of it?"
    if place == "ERR-3":
        return "It is a number of table 0357 above: what is wrong at that place?"
    if place == "ERR-4":
        if given == "F":
            return "F is none of version 2.5.1's codes, and later ones use it when an application or a network has failed."
        return "It is one of E, W and I, as the message was taken or not."
    return None


@lesson.exercise
class WriteTheRefusal:
    """The archive, HV_PACS, must not take `refused`. Write the archive's answer, the whole **acknowledgement** with its ERR segment, as
    text or as a message.

    `refused` has one fault. Either it breaks a row of the short profile above, or the assigning authority, PID-3.4, is missing, for which
    the short profile has no row. Name the place in ERR-2 as exactly as you can, the code of table 0357 in ERR-3, the severity in ERR-4.
    Times, the answer's own MSH-10 and all texts are yours to choose.
    """

    answer = Message("acknowledgement", reading=_acknowledged, objects=(hl7.Message, list, tuple), remark=_about_answer,
                     first=(_SEGMENTS, "ERR-2.1", "ERR-2.3"), free={"MSH-7.1": _at_some_time, "MSH-10.1": _some_number},
                     ignore=("MSH-7.2", "MSH-15", "MSH-16", "MSH-17", "MSA-3", "ERR-5", "ERR-6", "ERR-7", "ERR-8", "ERR-9", "ERR-10",
                             "ERR-11", "ERR-12"))
    points = 2
    praise = "With place, code and severity a program can sort its errors; with text alone, somebody has to read them at night."

    def solution(refused):
        if not valued(refused["PID-3.4"]):
            number, place = "101", "PID^1^3^1^4"
        elif not valued(refused["PV1-3"]):
            number, place = "101", "PV1^1^3"
        else:
            number, place = "103", "MSH^1^18"
        return hl7.acknowledgement(refused, hl7.Refusal("AE", "This does not conform to the profile.", number, place))

    def _changed(refused, changes):
        answer = WriteTheRefusal.solution(refused).copy()
        for place, text in changes.items():
            answer[place] = text
        return answer

    def rejected(refused):
        return WriteTheRefusal._changed(refused, {"MSA-1": "AR"})

    def accepted_with_error(refused):
        return WriteTheRefusal._changed(refused, {"MSA-1": "AA"})

    def only_a_warning(refused):
        return WriteTheRefusal._changed(refused, {"ERR-4": "W"})

    def own_number_in_msa(refused):
        return WriteTheRefusal._changed(refused, {"MSA-2": "K1"})

    def event_of_another_answer(refused):
        return WriteTheRefusal._changed(refused, {"MSH-9": "ACK^A40^ACK"})

    def not_turned_round(refused):
        return WriteTheRefusal._changed(refused, {f"MSH-{number}": refused[f"MSH-{number}"] for number in (3, 4, 5, 6)})

    def place_by_its_name(refused):
        place = next(place for place, flaw in FLAWS.items() if refused[place] == flaw)
        return WriteTheRefusal._changed(refused, {"ERR-2": place})

    def counted_from_zero(refused):
        segment, *numbers = WriteTheRefusal.solution(refused)["ERR-2"].split("^")
        return WriteTheRefusal._changed(refused, {"ERR-2": "^".join([segment, *[str(int(number) - 1) for number in numbers]])})

    def without_sequence(refused):
        segment, _, *rest = WriteTheRefusal.solution(refused)["ERR-2"].split("^")
        return WriteTheRefusal._changed(refused, {"ERR-2": "^".join([segment, *rest])})

    def unknown_key(refused):
        return WriteTheRefusal._changed(refused, {"ERR-3": "204^Unknown key identifier^HL70357"})

    def data_type(refused):
        return WriteTheRefusal._changed(refused, {"ERR-3": "102^Data type error^HL70357"})

    def the_other_code(refused):
        other = {"101": "103", "103": "101"}[WriteTheRefusal.solution(refused)["ERR-3.1"]]
        return WriteTheRefusal._changed(refused, {"ERR-3": other})

    wrong_ways = {
        rejected: "AR says that the fault is not in this message's content: type, event, processing ID or version are not served, or the "
        "receiver itself is in trouble (2.9.2). Here the content must be corrected before the message can be taken.",
        accepted_with_error: "MSA-1 says that the message was taken. Whatever ERR says, the sender will file it as done.",
        only_a_warning: "ERR-4 calls it a warning, as if the message had been taken all the same. MSA-1 says that it was not.",
        own_number_in_msa: "MSA-2 does not name the message that you answer. It holds the MSH-10 of what was received; only so "
        "does the sender know which one was refused.",
        event_of_another_answer: "Your MSH-9 is that of the archive's old answer, to a merge. The event in an "
        "acknowledgement is that of the message that it answers.",
        not_turned_round: "The answer's MSH-3 to MSH-6 are those of the message itself. It goes the other way: the "
        "sender of the one is the receiver of the other.",
        place_by_its_name: "ERR-2 has the place as people write it. It is of the data type ERL: segment, its sequence, field, repetition, "
        "component, each a component of ERR-2 of its own.",
        counted_from_zero: "ERR-2 counts from zero. In HL7 everything is counted from one: the first PID, the first repetition.",
        without_sequence: "ERR-2 lacks the second part: which segment of that name it is, counted from one. So the "
        "field's number stands where the sequence belongs.",
        unknown_key: "204 says that a key was sent and is not known, as of a patient or order that the receiver does not have. Look at "
        "what is the matter with this message itself.",
        data_type: "102 says that a value is not of its data type, such as letters in a date. This hospital also takes it for *too long*, "
        "*too many*, *too few* and *not supported*. Is one of these what is wrong here?",
        the_other_code: "The code of ERR-3 does not say what is wrong there. Is there no value, or one that the table does not have?",
    }
    hints = [
        "Compare `refused` with a message of the good week, field by field: `violations(short_profile, "
        "refused)` helps, and your eyes do for PID-3.",
        "Take the archive's answer above as a pattern. In yours the archive answers the sender of `refused`, whose MSH-3 and MSH-4 become "
        "MSH-5 and MSH-6; the event in MSH-9 is that of `refused`; MSA-1 is AE, MSA-2 the MSH-10 of `refused`; then comes ERR.",
        '`hl7.acknowledgement(refused, hl7.Refusal("AE", "a sentence", number, place))` writes it all. '
        "`place` has the form of the archive's ERR-2.",
    ]


TEMPLATE = """my_profile = {
    "PID-3":   {"usage": ..., "min": ..., "max": ...},
    "PID-3.1": {"usage": ..., "length": ...},
    "PID-3.4": {"usage": ...},
    "PID-5":   {"usage": ..., "min": ..., "max": ...},
    "PID-7":   {"usage": ...},
    "PID-7.1": {"usage": ..., "length": ...},
    "PID-8":   {"usage": ..., "codes": ...},
    "PID-15":  {"usage": ...},
    "PID-19":  {"usage": ...},
    "PV1-2":   {"usage": ..., "codes": ...},
    "PV1-19":  {"usage": ...},
    "PV1-45":  {"usage": ..., "if": ...},
}"""


def profile_from(settings):
    """The hospital's profile, `tidied`, from what a person wrote. Raises BadProfile for another profile than the one that was asked for."""
    if isinstance(settings, dict):
        rows = [str(place).strip().upper() for place in settings]
        for place in rows:
            if place not in HOUSE:
                raise BadProfile(f"a row `{place[:20]}` was not asked for")
        for place in HOUSE:
            if place not in rows:
                raise BadProfile(f"the row `{place}` is missing")
    profile = tidied(settings)
    for place in CODED:
        joined = next((code for code in profile[place].get("codes", ()) if len(code) > 1), None)
        if joined is not None:
            raise BadProfile(f"`codes` of `{place}` is a list in which each code is a text of its own, as in `[\"Y\", \"Z\"]`; "
                             f"`{joined[:20]}` is not one code of one letter")
    for rule in profile.values():
        where, _, values = rule.get("if", ("", "", ()))
        if where == "EVN-1":
            raise BadProfile("EVN-1 is empty in this hospital's messages, for version 2.5.1 keeps it only for older systems; a condition "
                             "on the event asks MSH-9.2")
        small = next((value for value in values if where == "MSH-9.2" and not re.fullmatch(r"[A-Z][A-Z0-9]\d", value)), None)
        if small is not None:
            raise BadProfile(f"`{small[:20]}` in the condition is no event as MSH-9.2 has it, such as `A01`; texts are compared as they "
                             "stand")
        if where == "MSH-9" and any(value.count("^") != 2 for value in values):
            raise BadProfile("MSH-9 as a whole has three components, such as `ADT^A01^ADT_A01`, and is compared "
                             "with all of them; the event alone is MSH-9.2")
    return _Tidy({place: profile[place] for place in HOUSE})


class _Looked(dict):
    """The parts of a message that were asked for already, and those that will be: a dictionary that reads the message when it must."""

    def __init__(self, message):
        super().__init__()
        self._message = message

    def __missing__(self, place):
        self[place] = text = self._message[place]
        return text


@lesson.input
def samples(hospital):
    """What a profile is tried with: (right messages, {(what is wrong, event, class): message that must not pass}), as `_Looked`."""
    good = lesson.input_of("good_week", hospital)
    registered = _plain_registration(hospital)

    def but(message, place, text):
        other = message.copy()
        other[place] = text
        return other

    usual = {}                                       # a right message of each event and each patient class
    for event in EVENTS:
        for kind in HOUSE["PV1-2"]["codes"]:
            usual[event, kind] = made = registered.copy()
            made["PV1-2"], made["MSH-9"] = kind, f"ADT^{event}^{'ADT_A03' if event == 'A03' else 'ADT_A01'}"
            made["PV1-45"] = registered["PV1-44"] if event == "A03" else ""

    family, given = registered["PID-5.1"], registered["PID-5.2"]
    right = [*good, but(registered, "PID-3.1", "HV12345678901234"), but(registered, "PID-7", registered["PID-7"][:8] + "^D"),
             *[but(registered, "PID-5", "~".join(f"{family}^{given}^^^^^L^{code}" for code in codes)) for codes in ("AI", "AIP")],
             *[but(registered, "PID-8", code) for code in HOUSE["PID-8"]["codes"]], *usual.values(),
             *[but(message, "PID-15", "nl^Dutch^ISO639") for message in usual.values()],
             *[but(message, "PID-7", "") for message in usual.values()]]
    number, began = registered["PID-3"], registered["PV1-44"]
    changes = {
        "authority": ("PID-3.4", ""), "number": ("PID-3", ""), "number null": ("PID-3", hl7.NULL), "number empty": ("PID-3.1", ""),
        "number long": ("PID-3.1", "HV123456789012345"),
        "second number": ("PID-3", f"{number}~E{registered['PID-3.1'][2:]}^^^EMR&2.999.1.7&ISO^PI"),
        "name": ("PID-5", ""), "names": ("PID-5", "~".join([f"{family}^{given}"] * 4)),
        "birth time": ("PID-7", registered["PID-7"][:8] + "081500"), "birth minute": ("PID-7", registered["PID-7"][:8] + "0815"),
        "birth hour": ("PID-7", registered["PID-7"][:8] + "08"), "birth digit": ("PID-7", registered["PID-7"][:8] + "0"),
        "birth precision": ("PID-7", "^D"), "sex": ("PID-8", ""), "sex code": ("PID-8", "A"),
        "sex small": ("PID-8", "f"), "national number": ("PID-19", "123456782"), "class": ("PV1-2", ""), "class code": ("PV1-2", "R"),
        "class small": ("PV1-2", "e"), "visit": ("PV1-19", ""), "end too early": ("PV1-45", began), "end in an update": ("PV1-45", began),
        "no end": ("PV1-45", ""), "ends": ("PV1-45", f"{began}~{began}"),
        "births": ("PID-7", f"{registered['PID-7'][:8]}~19000101"), "sexes": ("PID-8", "F~M"), "languages": ("PID-15", "nl~fr"),
        "classes": ("PV1-2", "E~I"), "visits": ("PV1-19", f"{registered['PV1-19']}~V29999999^^^HVGH&2.999.1.1&ISO^VN"),
    }
    wrong = {(name, event, kind): but(usual[event, kind], *change) for name, change in changes.items() for event, kind in _tried(name)}
    return [_Looked(message) for message in right], {which: _Looked(message) for which, message in wrong.items()}


def _tried(name):
    """The (event, patient class) with which what is wrong is tried; where the class itself is wrong, the event alone says which."""
    events = {"no end": ["A03"], "ends": ["A03"], "end too early": ["A01", "A04"], "end in an update": ["A08"]}.get(name, EVENTS)
    kinds = HOUSE["PV1-2"]["codes"][:1] if name.startswith("class") else HOUSE["PV1-2"]["codes"]
    return [(event, kind) for event in events for kind in kinds]


def _passing(name, passed):
    """What is wrong and would pass, in a sentence; where it passes in some events or classes only, with these."""
    tried = _tried(name)
    events, kinds = ([one for one in dict.fromkeys(pair[at] for pair in tried) if one in {pair[at] for pair in passed}] for at in (0, 1))
    if len(events) * len(kinds) != len(passed):      # no event and no class by itself says where; so the first that passed
        events, kinds = passed[0][:1], passed[0][1:]
    said = f"{_SLIPS[name][:1].upper()}{_SLIPS[name][1:]} would pass"
    if len(events) < len({event for event, _ in tried}):
        said += f" in {' and '.join(events)}"
    if len(kinds) < len({kind for _, kind in tried}):
        said += f" where the patient class is {' or '.join(kinds)}"
    return said + "."


_OF_PARTS = ("PID-3", "PID-3.4", "PID-5", "PID-7", "PID-15", "PV1-19", "PV1-45")       # fields and a component that consist of parts
_SLIPS = {
    "authority": "a registration whose patient number has no assigning authority", "number": "a registration without a patient number",
    "number null": 'a registration whose patient number is `""`', "number empty": "a patient number that has an authority, and no number",
    "number long": "a patient number that does not fit into the archive's column",
    "second number": "a registration with two patient numbers", "name": "a registration without a name",
    "names": "a registration with four names", "birth time": "a birth date with a time of day behind it",
    "birth minute": "a birth date with hour and minute behind it", "birth hour": "a birth date with an hour behind it",
    "birth digit": "a birth date with one digit too many", "birth precision": "a birth date that holds a precision, `^D`, and no date",
    "sex": "a registration without a sex", "sex code": "a sex that the archive does not know", "sex small": "a sex in a small letter",
    "national number": "a registration that holds the national number", "class": "a registration without a patient class",
    "class code": "a patient class that radiology does not know", "class small": "a patient class in a small letter",
    "visit": "a registration without a visit number",
    "no end": "the end of a visit without its time", "end too early": "a registration that has an end of the visit already",
    "end in an update": "an update that has an end of the visit already", "births": "a registration with two birth dates",
    "sexes": "a registration with two sexes", "languages": "a registration with two languages",
    "classes": "a registration with two patient classes", "visits": "a registration with two visit numbers",
    "ends": "the end of a visit with two times",
}


@lesson.exercise
class OurProfile:
    """Write the hospital's profile for what a registration system sends to radiology: fill in `my_profile` by the **requirements
    above**. It is an implementation profile.

    It will be tried with the good week's messages, with right ones of rare kinds, and with wrong ones of many kinds: no right message
    may be refused, no wrong one may pass.
    """

    answer = Config("my_profile", reading=profile_from, template=TEMPLATE, called="rows of the profile", shape="a dictionary")
    points = 4
    praise = "This file is worth more than a contract's sentence: the next release can be tried against it before it goes live."

    def solution():
        return {
            "PID-3": {"usage": "R", "min": 1, "max": 1},
            "PID-3.1": {"usage": "R", "length": 16},
            "PID-3.4": {"usage": "R"},
            "PID-5": {"usage": "R", "min": 1, "max": 3},
            "PID-7": {"usage": "RE"},
            "PID-7.1": {"usage": "R", "length": 8},
            "PID-8": {"usage": "R", "codes": ["F", "M", "O", "U"]},
            "PID-15": {"usage": "RE"},
            "PID-19": {"usage": "X"},
            "PV1-2": {"usage": "R", "codes": ["E", "I", "O"]},
            "PV1-19": {"usage": "R"},
            "PV1-45": {"usage": "C(R/X)", "if": ["MSH-9.2", "is", ["A03"]]},
        }

    def trial(settings, hospital):
        right, wrong = lesson.input_of("samples", hospital)
        refused = {}
        for message in right:
            for place, what in violations(settings, message):
                refused[place, what] = refused.get((place, what), 0) + 1
        return {"open": [place for place, rule in settings.items() if "O" in rule["usage"] or rule["usage"] == "C"],
                "odd": [place for place, rule in settings.items() if _contradicts_itself(rule)],
                "parts": [place for place in _OF_PARTS if "length" in settings[place]],
                "refused": refused, "passed": [which for which, message in wrong.items() if not violations(settings, message)],
                "codes": {place: sorted(set(settings[place].get("codes", [])) - set(HOUSE[place]["codes"])) for place in CODED}}

    def faults(outcome):
        said = [f"The row `{place}` is still open: an implementation profile has neither O nor a bare C." for place in outcome["open"]]
        said += [f"The row `{place}` contradicts itself: look at its usage and its numbers, or at its two outcomes."
                 for place in outcome["odd"]]
        said += [f"The row `{place}` has a length, but that element consists of parts, and a length is that of one value (part 3). Where "
                 "the requirements limit a part, that part has a row." for place in outcome["parts"]]
        said += [f"{count} right message{'s' if count > 1 else ''} would be refused because of `{place}`, as *{what}*: a false alarm. What "
                 "do the requirements allow there?"
                 for (place, what), count in outcome["refused"].items()]
        said += [f"{_SLIPS[CODED[place]].capitalize()} would pass: {', '.join(f'`{code}`' for code in codes)}."
                 for place, codes in outcome["codes"].items() if codes]
        passed = {}
        for name, *pair in outcome["passed"]:
            passed.setdefault(name, []).append(tuple(pair))
        return said + [_passing(name, pairs) for name, pairs in passed.items()]

    def _with(place, **changes):
        found = OurProfile.solution()
        found[place] = {**found[place], **changes}
        if "(" not in found[place]["usage"]:
            found[place].pop("if", None)
        return found

    def authority_may_lack():
        return OurProfile._with("PID-3.4", usage="RE")

    def birth_date_required():
        return OurProfile._with("PID-7", usage="R")

    def one_name():
        return OurProfile._with("PID-5", max=1)

    def language_required():
        return OurProfile._with("PID-15", usage="R")

    def language_forbidden():
        return OurProfile._with("PID-15", usage="X")

    def national_number_may_come():
        return OurProfile._with("PID-19", usage="RE")

    def left_optional():
        return OurProfile._with("PID-19", usage="O")

    def condition_reversed():
        return OurProfile._with("PV1-45", usage="C(X/R)")

    def end_whenever_known():
        return OurProfile._with("PV1-45", usage="RE")

    def end_always():
        return OurProfile._with("PV1-45", usage="R")

    def two_numbers():
        return OurProfile._with("PID-3", max=2)

    def whole_table():
        return OurProfile._with("PID-8", codes=["A", "F", "M", "N", "O", "U"])

    def whole_table_of_classes():
        return OurProfile._with("PV1-2", codes=["B", "C", "E", "I", "N", "O", "P", "R", "U"])

    def only_what_was_seen():
        return OurProfile._with("PID-8", codes=["F", "M"])

    def required_from_zero():
        return OurProfile._with("PID-3", min=0)

    wrong_ways = {
        authority_may_lack: "With RE at the assigning authority the EMR's messages pass again: *may be empty* is just what happened. The "
        "archive can't tell whose number it is, in any message without it. What can't be done without is not RE.",
        birth_date_required: "The unconscious patient without papers is refused: her birth date is not known, and the HIS leaves it empty. "
        "Required is only what every registration can have.",
        one_name: "Names in two or three writings are refused. An occurrence per writing is what the requirements allow.",
        language_required: "Registrations are refused for want of a language. The HIS sends it when "
        "somebody has asked; the requirements say so.",
        language_forbidden: "Updates are refused because they tell the patient's language. X "
        "forbids it; is that what the requirements say?",
        national_number_may_come: "The national number passes. RE invites it: *send it if you know "
        "it*. What must not be sent has another usage.",
        left_optional: "You left the national number O. O is no permission and no ban: nobody has "
        "decided. Here somebody has, so the row can say it.",
        condition_reversed: "Your condition is the wrong way round: the end of the visit is demanded of registrations and refused in the "
        "message that tells it. The first outcome is the one for *true*.",
        end_whenever_known: "The message that tells the end of the visit may leave it out now, and a registration may come with one: that "
        "is RE, *whenever it is known*. Both are wrong by the requirements: the event decides.",
        end_always: "You demand the end of the visit of every message. While the patient is still here there is none.",
        two_numbers: "A second patient number passes. The archive takes one, and can't choose.",
        whole_table: "You allow all of HL7's table 0001. A profile binds the codes that this "
        "receiver knows, and the requirements name fewer.",
        whole_table_of_classes: "You allow all of HL7's table 0004. A profile binds the codes that this "
        "receiver knows, and the requirements name fewer.",
        only_what_was_seen: "You allow the codes that the week happens to have. A patient of another code is right by the requirements, "
        "and would be refused. Traffic shows what is usual, not what is allowed.",
        required_from_zero: "A row contradicts itself: required, and at least zero times. Nobody can say what to do with an empty one.",
    }
    hints = [
        "Go through the requirements one by one. Each says whether the element must be there always, "
        "when it is known, in some events, or never.",
        "Always is R, when known is RE, never is X, in some events only is C(R/X) with its condition. A "
        "component's usage counts where its field has a value.",
        'For the end of the visit: `"if": ("MSH-9.2", ..., [...])`, in the form of the conditions in part 2. The '
        "numbers and codes stand in the requirements.",
    ]


def _contradicts_itself(rule):
    """Whether usage and cardinality of a rule disagree (Methodology 5.2.1), or a condition has but one outcome."""
    usage, least = rule["usage"], rule.get("min")
    if "(" in usage and len(set(usage[2:-1].split("/"))) == 1:
        return True
    if usage == "X":
        return bool(least) or rule.get("max", 0) != 0
    most = rule.get("max", 1)
    if most == 0 or None not in (least, most) and least > most:
        return True
    if least is None:
        return False
    return {"R": least < 1, "RE": least == 1}.get(usage, least > 0)


OTHER_EVENTS = (("A02", "ADT_A02"), ("A05", "ADT_A05"), ("A06", "ADT_A06"), ("A11", "ADT_A09"), ("A13", "ADT_A01"), ("A28", "ADT_A05"),
                ("A31", "ADT_A05"), ("A40", "ADT_A39"), ("A0", "ADT_A01"))


def visited(port, profile):
    """What clients of the door at a port see, {what they sent, in words: the answer}; one connection for all, as senders keep it."""
    good = ("MSH|^~\\&|EMR|HVGH|HV_GATE|HVGH|20250407081500+0200||ADT^A04^ADT_A01|{0}|P|2.5.1||||||UNICODE UTF-8\r"
            "EVN||20250407081500+0200\rPID|1||HV100234^^^HVGH&2.999.1.1&ISO^MR||VANDERMEER^ANNA^ELISE||19610817|F\r"
            "PV1|1|E|Emergency^^^HVGH||||||||||||||||V21000794\r")

    def one(what, changes, refused=False):
        made = hl7.parse(good.format(f"E{len(seen) + 1}"))
        for place, text in changes.items():
            made[place] = text
        if _NOTHING in seen.values():                            # each would be waited for, and come to nothing as well
            seen[what] = "not sent any more"
            return
        try:
            said = _said(sender.send(made))
            seen[what] = "a refusal" if refused and said[:2] in ("AE", "AR") else said        # whatever it names
        except mllp.NoAnswer as error:
            nothing = "in time" in str(error) or "hung up" in str(error)
            seen[what] = _NOTHING if nothing else f"{_NOTHING} ({str(error).rstrip('.').lower()})"

    seen = {}
    with mllp.Sender(mllp.HOST, port, seconds=4.0) as sender:
        one("A right ADT^A04 is sent", {})
        one("An ADT^A04 with an unknown patient class, PV1-2, is sent", {"PV1-2": "Q"})
        one("An ADT^A04 without the assigning authority, PID-3.4, is sent", {"PID-3.4": ""})
        one("A right ADT^A04 without a birth date is sent", {"PID-7": ""})
        one("A right ADT^A04 with the last patient class of the profile's list is sent", {"PV1-2": profile["PV1-2"]["codes"][-1]})
        one("An ADT^A04 without a visit number, PV1-19, is sent", {"PV1-19": ""})
        one("An ADT^A04 with a patient number, PID-3.1, that is too long is sent", {"PID-3.1": "H" * (profile["PID-3.1"]["length"] + 1)})
        one("A right ADT^A04 with a patient number of just the allowed length is sent", {"PID-3.1": "H" * profile["PID-3.1"]["length"]})
        one("An ADT^A04 with a national number, PID-19, is sent", {"PID-19": "123456782"})
        one("An ADT^A03 without an end of the visit, PV1-45, is sent", {"MSH-9": "ADT^A03^ADT_A03"})
        one("A right ADT^A03 is sent", {"MSH-9": "ADT^A03^ADT_A03", "PV1-45": "20250407091500+0200"})
        one("A right ADT^A01 is sent", {"MSH-9": "ADT^A01^ADT_A01", "PV1-2": "I"})
        one("A right ADT^A08 is sent", {"MSH-9": "ADT^A08^ADT_A01"})
        for event, more in (("A01", {"MSH-9": "ADT^A01^ADT_A01"}), ("A08", {"MSH-9": "ADT^A08^ADT_A01"}),
                            ("A03", {"MSH-9": "ADT^A03^ADT_A03", "PV1-45": "20250407091500+0200"})):
            one(f"An ADT^{event} with an unknown patient class, PV1-2, is sent", {**more, "PV1-2": "Q"})
            one(f"An ADT^{event} without the assigning authority, PID-3.4, is sent", {**more, "PID-3.4": ""})
        one("An ADT^A04 with two patient numbers, PID-3, is sent", {"PID-3": "~".join(["HV100234^^^HVGH&2.999.1.1&ISO^MR"] * 2)})
        if "PID-11" in profile:
            one("An ADT^A04 with one address, PID-11, where the profile asks for two, is sent", {"PID-11": "Kerkstraat 1^^Dorp"})
        for event, structure in OTHER_EVENTS:
            one(f"An ADT^{event}, whose event is not in the profile, is sent", {"MSH-9": f"ADT^{event}^{structure}"})
        one("An ADT^A60, whose event is not in the profile, is sent without the assigning authority, PID-3.4",
            {"MSH-9": "ADT^A60^ADT_A60", "PID-3.4": ""})
        one("An ORU^R01, whose type is not in the profile, is sent", {"MSH-9": "ORU^R01^ORU_R01"})
        one("An ADR^A19, whose type is not in the profile, is sent", {"MSH-9": "ADR^A19^ADR_A19"})
        one("An ADT^A04 with the processing ID X is sent", {"MSH-11": "X"})
        one("An ADT^A04 with the processing ID X and an unknown patient class is sent", {"MSH-11": "X", "PV1-2": "Q"})
        for what, change in (("with the version 3.0", {"MSH-12": "3.0"}), ("without a version", {"MSH-12": ""}),
                             ("without a processing ID", {"MSH-11": ""}), ("without a number of its own", {"MSH-10": ""})):
            place = next(iter(change))
            one(f"An ADT^A04 {what}, {place}, is sent, which `hl7.check_header` refuses", change, refused=True)
        one("Once more a right ADT^A04 is sent", {})
    return seen


_NOTHING = "no acknowledgement"


def _said(answer):
    """An acknowledgement in words: code, and of AE the place, code and severity of each error, of AR the code; of an unsupported type or
    event whether it is said to be in MSH-9; of a function that stopped with an error, which a `Listener` answers AR 207, its exception."""
    if answer is None:
        return "no acknowledgement"
    said = [answer["MSA-1"]]
    for error in answer.segments("ERR"):
        place = error["2"].rstrip("^").split("^")
        if len(place) == 4 and place[3] == "1":
            del place[3]                                      # a field without a repetition is its first (ERL.4)
        elif len(place) > 4:
            place[3] = place[3] or "1"
        named = "^".join(place)
        if error["3.1"] in ("200", "201"):
            part = "1" if error["3.1"] == "200" else "2"
            said.append("ERR-2 in MSH-9" if named in ("MSH^1^9", f"MSH^1^9^1^{part}") else f"ERR-2 {named or 'empty'}")
        elif answer["MSA-1"] == "AE":
            said.append(f"ERR-2 {named}")
        said.append(f"ERR-3 {error['3.1']}")
        if answer["MSA-1"] == "AE":
            said.append(f"ERR-4 {error['4']}")
        if error["3.1"] == "207" and re.match(r"\w+(Error|Exception): ", error["8"]):
            said[-1] += f", {hl7.unescape(error['8'])}"
    return ", ".join(said)


def _door(answer):
    return Listener("HV_GATE", answer).start()


@lesson.exercise
class DoorWithAProfile:
    """Write `door(profile)`: it starts a receiver of HL7 messages that lets only conformant messages in, and returns it.

    - A message that conforms to `profile` is answered **AA**.
    - One that breaks it is answered **AE**, with an ERR that names the place of the violation, its number from `NUMBERS`, and severity E.
    - One whose type or event the profile is not about (it is about ADT with an event in `EVENTS`) is answered **AR** with 200 or 201;
      ERR-2 names MSH-9, as a whole or the component at fault.
    - What `hl7.check_header` refuses is refused.

    Your receiver runs while it is checked, twice with different profiles. Each time a client sends some forty messages over one
    connection.
    """

    answer = Server("door")
    points = 4
    praise = "Such a door stands in front of a system that can't check for itself: a new release is found out by its first bad message."

    def solution(profile):
        def answer(message):
            hl7.check_header(message)
            if message["MSH-9.1"] != "ADT":
                raise hl7.Refusal("AR", "Only ADT is taken here.", "200", "MSH^1^9^1^1")
            if message["MSH-9.2"] not in EVENTS:
                raise hl7.Refusal("AR", "The profile does not have this event.", "201", "MSH^1^9^1^2")
            found = violations(profile, message)
            if found:
                place, what = found[0]
                segment, number = place.split("-")
                err_place = segment + "^1^" + number.replace(".", "^1^")
                raise hl7.Refusal("AE", place + ": " + what, NUMBERS[what], err_place)
            return hl7.acknowledgement(message)

        return Listener("HV_GATE", answer).start()

    def _refusing(profile, content=lambda place, what: None, header=lambda message: None):
        """A door like the solution's, but for what `content` and `header` raise before it does."""
        def answer(message):
            header(message)
            hl7.check_header(message)
            if message["MSH-9.1"] != "ADT":
                raise hl7.Refusal("AR", "type", "200", "MSH^1^9^1^1")
            if message["MSH-9.2"] not in EVENTS:
                raise hl7.Refusal("AR", "event", "201", "MSH^1^9^1^2")
            for place, what in violations(profile, message):
                content(place, what)
                raise hl7.Refusal("AE", what, NUMBERS[what], _err_place(place))
            return hl7.acknowledgement(message)

        return _door(answer)

    def lets_all_in(profile):
        return _door(None)

    def nothing_returned(profile):
        def answer(message):
            raise SystemExit                                     # hangs up, so that nobody has to wait
        return _door(answer)

    def nothing_where_it_is_broken(profile):
        def content(place, what):
            raise SystemExit
        return DoorWithAProfile._refusing(profile, content)

    def content_rejected(profile):
        def content(place, what):
            raise hl7.Refusal("AR", what, NUMBERS[what], _err_place(place))
        return DoorWithAProfile._refusing(profile, content)

    def event_is_an_error(profile):
        def header(message):
            if message["MSH-9.1"] != "ADT":
                raise hl7.Refusal("AE", "type", "200", "MSH^1^9^1^1")
            if message["MSH-9.2"] not in EVENTS:
                raise hl7.Refusal("AE", "event", "201", "MSH^1^9^1^2")
        return DoorWithAProfile._refusing(profile, header=header)

    def events_not_looked_at(profile):
        def answer(message):
            hl7.check_header(message)
            if message["MSH-9.1"] != "ADT":
                raise hl7.Refusal("AR", "type", "200", "MSH^1^9^1^1")
            for place, what in violations(profile, message):
                raise hl7.Refusal("AE", what, NUMBERS[what], _err_place(place))
            return hl7.acknowledgement(message)
        return _door(answer)

    def some_events_refused(profile):
        def answer(message):
            hl7.check_header(message)
            if message["MSH-9.1"] != "ADT":
                raise hl7.Refusal("AR", "type", "200", "MSH^1^9^1^1")
            if message["MSH-9.2"] == "A60":
                raise hl7.Refusal("AR", "event", "201", "MSH^1^9^1^2")
            for place, what in violations(profile, message):
                raise hl7.Refusal("AE", what, NUMBERS[what], _err_place(place))
            return hl7.acknowledgement(message)
        return _door(answer)

    def event_without_a_place(profile):
        def header(message):
            hl7.check_header(message)
            if message["MSH-9.1"] != "ADT":
                raise hl7.Refusal("AR", "type", "200")
            if message["MSH-9.2"] not in EVENTS:
                raise hl7.Refusal("AR", "event", "201")
        return DoorWithAProfile._refusing(profile, header=header)

    def profile_not_asked(profile):
        return DoorWithAProfile.solution({})

    def stopped_already(profile):
        listener = _door(None)
        listener.stop()
        return listener

    def events_as_text(profile):
        def answer(message):
            hl7.check_header(message)
            if message["MSH-9.1"] != "ADT":
                raise hl7.Refusal("AR", "type", "200", "MSH^1^9^1^1")
            if message["MSH-9.2"] not in ",".join(EVENTS):
                raise hl7.Refusal("AR", "event", "201", "MSH^1^9^1^2")
            for place, what in violations(profile, message):
                raise hl7.Refusal("AE", what, NUMBERS[what], _err_place(place))
            return hl7.acknowledgement(message)
        return _door(answer)

    def components_not_looked_at(profile):
        return DoorWithAProfile.solution({place: rule for place, rule in profile.items() if "." not in place})

    def content_first(profile):
        def header(message):
            hl7.check_header(message)
            for place, what in violations(profile, message):
                raise hl7.Refusal("AE", what, NUMBERS[what], _err_place(place))
        return DoorWithAProfile._refusing(profile, header=header)

    def header_last(profile):
        def header(message):
            if message["MSH-9.1"] == "ADT" and message["MSH-9.2"] in EVENTS:
                for place, what in violations(profile, message):
                    raise hl7.Refusal("AE", what, NUMBERS[what], _err_place(place))
        return DoorWithAProfile._refusing(profile, header=header)

    def number_no_text(profile):
        def content(place, what):
            raise hl7.Refusal("AE", what, int(NUMBERS[what]), _err_place(place))
        return DoorWithAProfile._refusing(profile, content)

    def type_as_event(profile):
        def header(message):
            if message["MSH-9.1"] != "ADT":
                raise hl7.Refusal("AR", "event", "201", "MSH^1^9^1^2")
        return DoorWithAProfile._refusing(profile, header=header)

    def event_as_type(profile):
        def header(message):
            hl7.check_header(message)
            if message["MSH-9.1"] == "ADT" and message["MSH-9.2"] not in EVENTS:
                raise hl7.Refusal("AR", "event", "200", "MSH^1^9^1^1")
        return DoorWithAProfile._refusing(profile, header=header)

    def refusal_returned(profile):
        def answer(message):
            hl7.check_header(message)
            for place, what in violations(profile, message):
                return hl7.Refusal("AE", what, NUMBERS[what], _err_place(place))
            return hl7.acknowledgement(message)
        return _door(answer)

    def text_returned(profile):
        return _door(lambda message: str(hl7.acknowledgement(message)))

    def place_by_its_name(profile):
        def content(place, what):
            raise hl7.Refusal("AE", what, NUMBERS[what], place)
        return DoorWithAProfile._refusing(profile, content)

    def no_place(profile):
        def content(place, what):
            raise hl7.Refusal("AE", what, NUMBERS[what])
        return DoorWithAProfile._refusing(profile, content)

    def component_as_repetition(profile):
        def content(place, what):
            raise hl7.Refusal("AE", what, NUMBERS[what], place.replace("-", "^1^").replace(".", "^"))
        return DoorWithAProfile._refusing(profile, content)

    def without_sequence(profile):
        def content(place, what):
            raise hl7.Refusal("AE", what, NUMBERS[what], _err_place(place).replace("^1^", "^", 1))
        return DoorWithAProfile._refusing(profile, content)

    def only_the_field(profile):
        def content(place, what):
            raise hl7.Refusal("AE", what, NUMBERS[what], _err_place(place.split(".")[0]))
        return DoorWithAProfile._refusing(profile, content)

    def always_missing(profile):
        def content(place, what):
            raise hl7.Refusal("AE", what, "101", _err_place(place))
        return DoorWithAProfile._refusing(profile, content)

    def internal_error(profile):
        def content(place, what):
            raise hl7.Refusal("AE", what, "207", _err_place(place))
        return DoorWithAProfile._refusing(profile, content)

    def header_unchecked(profile):
        def answer(message):
            if message["MSH-9.1"] != "ADT":
                raise hl7.Refusal("AR", "type", "200", "MSH^1^9^1^1")
            if message["MSH-9.2"] not in EVENTS:
                raise hl7.Refusal("AR", "event", "201", "MSH^1^9^1^2")
            for place, what in violations(profile, message):
                raise hl7.Refusal("AE", what, NUMBERS[what], _err_place(place))
            return hl7.acknowledgement(message)
        return _door(answer)

    def a_profile_of_its_own(profile):
        return DoorWithAProfile.solution(HOUSE)

    wrong_ways = {
        lets_all_in: "A message that breaks the profile is let in. Does your Listener have a function of your own, and does that ask "
        "`violations(profile, message)` before it answers AA?",
        profile_not_asked: "A message that breaks the profile is let in. Does your function ask `violations(profile, message)` before it "
        "answers AA, for each of the four events, and with the profile that `door` was given?",
        stopped_already: "When the first message came, your receiver did not run any more. A `with` stops it where its lines end, and a "
        "`return` ends them; so does `.stop()`. Give it back started, with `.start()`, outside of any `with`.",
        nothing_returned: "No answer came back. What your function returns is what is sent: for a message that may pass it must end "
        "with `return hl7.acknowledgement(message)`.",
        nothing_where_it_is_broken: "No answer came back to a message that breaks the profile. The sender must hear of it: `raise` the "
        "`hl7.Refusal`, or return an acknowledgement that holds it.",
        content_rejected: "You answer AR to a message whose content is at fault. AR means that type, event, processing ID or version are "
        "not served, or that you yourself are in trouble. For content it is AE (2.9.2).",
        event_is_an_error: "You answer AE to a type or event that you don't serve. Nothing is wrong with the message: "
        "it came to the wrong door, and that is AR.",
        events_not_looked_at: "Your receiver takes messages that the profile is not about. Look at MSH-9 before you ask for violations: a "
        "profile judges only the messages that it was made for.",
        some_events_refused: "You take events that the profile is not about. Don't refuse some by their names: "
        "refuse every event that is not in `EVENTS`.",
        events_as_text: "You look for the event in a text, and there a part of an event is found, too: `A0` stands in `A01`. "
        "`EVENTS` is a tuple: `in` asks there for whole events.",
        event_without_a_place: "Your ERR does not say where, when type or event are not served. They stand in MSH-9; AR has a place, too.",
        components_not_looked_at: "Your receiver lets in what is wrong in a component. The profile has rows for components, too, with a "
        "point in the place: give `violations` the whole profile.",
        content_first: "You look for violations before you know that the profile is about the message at all. First the "
        "header, then type and event, then what is inside.",
        header_last: "You look for violations before the header. `hl7.check_header(message)` comes first: with a header that "
        "nobody can act on, the rest does not matter.",
        number_no_text: "Your own function stopped there, and the Listener answered for it. Its number is no "
        "text: give it just as `NUMBERS[what]` has it.",
        type_as_event: "You answer 201, unsupported event, to a message whose **type** you don't serve. There "
        "is a number for that; look at MSH-9.1 first.",
        event_as_type: "You answer 200, unsupported type, to a message whose **event** you don't serve. Its type is ADT, and that is "
        "in order; events have a number of their own.",
        refusal_returned: "You `return` the `hl7.Refusal`. What is returned must be a message; a "
        "refusal is raised: `raise hl7.Refusal(...)`.",
        text_returned: "You return text. What is returned must be a message: "
        "`hl7.acknowledgement(message)` as it is, or `hl7.parse(text)`.",
        place_by_its_name: "ERR-2 holds the place as people write it. It has components: segment, sequence, field, repetition, component.",
        no_place: "Your ERR does not say where. The fourth argument of `hl7.Refusal` is the place.",
        component_as_repetition: "In your ERR-2 the component's number stands where the repetition belongs. Between field and component "
        "there is the repetition, counted from one.",
        without_sequence: "Your ERR-2 lacks the segment's sequence, its second component, so everything behind it has moved up.",
        only_the_field: "Your ERR-2 names the field only, where a component is at fault. The interface people "
        "of the other side would have to guess which.",
        always_missing: "You give the same number for everything: *required field missing*. Take it from `NUMBERS` by what is wrong.",
        internal_error: "207 says that your own application has failed. It's the message that is at fault; `NUMBERS` has its numbers.",
        header_unchecked: "You don't look at the header. `hl7.check_header(message)` refuses what nobody could act on; call it first.",
        a_profile_of_its_own: "Your receiver checks by another profile than the one that it's "
        "given. It has the parameter `profile`: use it.",
    }
    hints = [
        "Inside `door`, write a function `answer(message)` and give it to `Listener(\"HV_GATE\", answer)`. Return the listener, started.",
        "In `answer`: header, type, event, then the violations; each with `raise hl7.Refusal(code, reason, number, place)`. If nothing was "
        "raised, `return hl7.acknowledgement(message)`.",
        'The place: `segment, number = place.split("-")`. Then the parts with `^` between: segment, `1`, field; with a '
        "component behind it `1` and the component.",
    ]

    def cases(draw):
        codes = ["E", "I", "O"] + draw.sample(["R", "B", "P"], 2)
        first = {**HOUSE, "PV1-2": {"usage": "R", "codes": codes}, "PID-3.1": {"usage": "R", "length": draw.randrange(12, 16)}}
        second = {**HOUSE, "PID-3.1": {"usage": "R", "length": draw.randrange(17, 20)}, "PV1-19": {"usage": "RE"},
                  "PID-11": {"usage": "RE", "min": 2, "max": 3}}
        return [(first,), (second,)]

    def visit(port, profile):
        return visited(port, profile)


def _err_place(place):
    """A place such as PID-3.4 as ERR-2 has it: PID^1^3^1^4."""
    segment, number = place.split("-")
    return f"{segment}^1^{number.replace('.', '^1^')}"
