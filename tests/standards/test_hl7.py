"""HL7 v2 messages: our reading against the one of two libraries that we did not write, and whatever bytes come."""

import collections
import random
import re

import pytest

from coursekit.hospital import hospital
from coursekit.standards import hl7
from coursekit.standards.hl7 import NULL, BadMessage, BadPath, Refusal, escape, parse, unescape

ORDER = ("MSH|^~\\&|RIS|HVGH|HV_ENGINE|HVGH|20250330032210+0200||ORM^O01|R17|P|2.3.1||||||8859/1\r"
         "PID|1||HV1^^^HVGH&2.999.1.1&ISO^MR~B7^^^ECC^PT||O\\T\\K^ANNA||\"\"|F\r"
         "ORC|NW|P17^HIS\rOBR|1|P17^HIS||CTHEAD^CT head^99HV\rOBR|2|P17^HIS||CTNECK^CT neck^99HV\r")


@pytest.fixture(scope="module")
def feed():
    """Some messages of every sort, and all with a rare quirk, of two hospitals."""
    chosen, met = [], collections.Counter()
    for seed in (1, 2):
        for message in hospital(seed, "tiny").feed:
            sort = (message.sender, message.receiver, message.event, message.quirks)
            met[sort] += 1
            if met[sort] <= 3:
                chosen.append(message)
    assert len(chosen) > 150
    return chosen


# Judges

def as_they_expect(message):
    """The message with carriage returns alone, as other libraries insist on."""
    return re.sub("[\r\n]+", "\r", message.text).rstrip("\r") + "\r"


def leaves(message):
    """Our reading as nested lists: segments, fields, repetitions, components, subcomponents without escapes."""
    return [[segment.name, *(segment[place] if segment.name == "MSH" and place < 3 else
                             [[[unescape(text) for text in component.split("&")] for component in repetition.split("^")]
                              for repetition in segment[place].split("~")] for place in range(1, len(segment) + 1))]
            for segment in message.segments()]


def test_python_hl7_reads_the_same(feed):
    import hl7 as other

    def parts(node, kind):
        return node if isinstance(node, kind) else [node]

    for message in feed:
        theirs = other.parse(as_they_expect(message))
        read = []
        for segment in theirs:
            name = str(segment[0])
            read.append([name])
            for place, one in enumerate(segment[1:], 1):
                if name == "MSH" and place < 3:
                    read[-1].append(str(one))
                    continue
                # It reads \.br\ as a carriage return, we as a line feed.
                read[-1].append([[[theirs.unescape(str(text)).replace("\r", "\n") for text in parts(component, other.Component)]
                                  for component in parts(repetition, other.Repetition)] for repetition in (one if len(one) else [""])])
        assert read == leaves(parse(message.bytes)), message


def test_hl7apy_reads_the_same(feed):
    from hl7apy import parser
    usual = {"FIELD": "|", "COMPONENT": "^", "SUBCOMPONENT": "&", "REPETITION": "~", "ESCAPE": "\\", "SEGMENT": "\r", "GROUP": "\r"}
    compared = 0
    for message in feed[::3]:                               # it takes its time
        ours = parse(message.bytes)
        theirs = list(parser.parse_message(as_they_expect(message), find_groups=False).children)
        assert [segment.name for segment in theirs] == [segment.name for segment in ours.segments()]
        for their, our in zip(theirs, ours.segments()):
            fields = collections.defaultdict(list)
            for one in their.children:
                fields[int(one.name.rsplit("_", 1)[1])].append(one.to_er7(usual))
            for place in range(3 if our.name == "MSH" else 1, len(our) + 1):
                # It escapes the escape character of sequences that it does not know: \.br\ comes out as \E\.br\E\.
                assert "~".join(fields[place]).replace(r"\E\.br\E" + "\\", r"\.br" + "\\") == our[place], message
                compared += 1
    assert compared > 2000


def strictly(text, report):
    """What hl7apy's strict validation finds wrong."""
    from hl7apy import parser
    from hl7apy.consts import VALIDATION_LEVEL
    message = parser.parse_message(text, validation_level=VALIDATION_LEVEL.STRICT)
    message.validate(report_file=str(report))
    return [line for line in report.read_text(encoding="utf-8").split("\n") if line.startswith("Error")]


@pytest.mark.parametrize("version", ("2.3.1", "2.4", "2.5", "2.5.1", "2.6"))
def test_hl7apy_finds_nothing_wrong_with_acknowledgements(version, tmp_path):
    message = parse(f"MSH|^~\\&|HIS|HVGH|HV_PACS|HVGH|20250407||ADT^A04^ADT_A01|H1|P|{version}\r")
    for refusal in (None, Refusal("AE", "PID-3 is empty & must not be.", "101", "PID^1^3"), Refusal("AR", "No.", "200", "MSH^1^9^1^1")):
        answer = hl7.acknowledgement(message, refusal, "20250407073000+0200")
        wrong = strictly(answer.encode().decode(), tmp_path / "report.txt")
        # hl7apy takes components for no part of ERR-1 in 2.3.1 and 2.4.
        assert [line for line in wrong if "ERR_1" not in line and "ELD" not in line] == [], answer


# Reading and writing

def test_what_is_read_is_written_again(feed):
    for message in feed:
        if not {"LF", "no final CR"} & set(message.quirks):
            assert parse(message.bytes).encode() == message.bytes
        normal = parse(parse(message.bytes).encode())
        assert normal == parse(message.bytes) and normal.encode() == parse(message.bytes).encode()


def test_places_in_a_message():
    message = parse(ORDER)
    assert message["PID-3"] == "HV1^^^HVGH&2.999.1.1&ISO^MR~B7^^^ECC^PT" and message["PID-3[2]"] == "B7^^^ECC^PT"
    assert message["PID-3.1"] == "HV1" and message["PID-3[2].1"] == "B7" and message["PID-3.4"] == "HVGH&2.999.1.1&ISO"
    assert message["PID-3.4.2"] == "2.999.1.1" and message["PID-3[2].4.1"] == "ECC" and message["PID-3[2].4.2"] == ""
    assert message["OBR-4.1"] == "CTHEAD" and message["OBR[2]-4.1"] == "CTNECK" and message["OBR[3]-4.1"] == ""
    assert message["PID-5.1"] == r"O\T\K" and unescape(message["PID-5.1"]) == "O&K"
    assert message["PID-7"] == NULL and message["PID-30"] == "" and message["ZDS-1"] == "" and message["PID-3[9].1"] == ""
    assert (message["MSH-1"], message["MSH-2"], message["MSH-3"], message["MSH-12"]) == ("|", "^~\\&", "RIS", "2.3.1")
    assert (message.control_id, message.event, message.sender) == ("R17", "ORM^O01", "RIS")
    assert [segment["4.1"] for segment in message.segments("OBR")] == ["CTHEAD", "CTNECK"] and message.segment("OBR")[1] == "1"
    assert "OBR" in message and "ZDS" not in message and len(message.segments()) == 5


def test_places_can_be_set():
    message = parse(ORDER)
    before = message.copy()
    message["PID-3[2].4.2"] = "2.999.1.2"
    message["PID-3[3].1"] = "X"
    message["OBR[2]-4"] = message["OBR-4"]
    message["OBR-18.1"] = "A250"
    message["PID-8"] = ""
    message.segment("ORC")["3.1"] = "F17"
    assert repr(message).split("\n")[1:] == [
        "PID|1||HV1^^^HVGH&2.999.1.1&ISO^MR~B7^^^ECC&2.999.1.2^PT~X||O\\T\\K^ANNA||\"\"|", "ORC|NW|P17^HIS|F17",
        "OBR|1|P17^HIS||CTHEAD^CT head^99HV||||||||||||||A250", "OBR|2|P17^HIS||CTHEAD^CT head^99HV"]
    assert before == parse(ORDER) != message
    zds = message.add("ZDS|2.999.4^HVGH^Application^DICOM", after="OBR")
    assert message.segments()[-1] == zds and message.add("NTE|1||a", after=message.segment("PID")) == message.segments()[2]
    copied = message.add(zds)
    copied["1.1"] = "2.999.5"
    assert zds["1.1"] == "2.999.4" and len(message.segments("ZDS")) == 2
    message.remove(copied)
    message.remove("OBR")
    message.remove("ZZZ")
    assert [segment.name for segment in message.segments()] == ["MSH", "PID", "NTE", "ORC", "ZDS"]


@pytest.mark.parametrize("wrong, said", (
    (lambda message: message["PID3"], "PID-5 for a field"), (lambda message: message["PID-x"], "names no place"),
    (lambda message: message["pid-3"], "names no place"), (lambda message: message[3], "names no place"),
    (lambda message: message["PID-3.0"], "names no place"), (lambda message: message["PID-3[0].1"], "names no place"),
    (lambda message: message["PID-3[99999999999].1"], "names no place"), (lambda message: message["ZDS-1.0"], "names no place"),
    (lambda message: message.__setitem__("ZDS-1", "x"), "no ZDS segment"), (lambda message: message.segment("ZDS"), "no ZDS segment"),
    (lambda message: message.__setitem__("OBR[3]-1", "x"), "number 3"), (lambda message: message.add("NTE|1", after="ZDS"), "no ZDS"),
    (lambda message: message.__setitem__("PID-5.1", "A^B"), r"escape\(\)"), (lambda message: message.__setitem__("PID-5", "A|B"), "'|'"),
    (lambda message: message.__setitem__("PID-3.4.1", "A&B"), "'&'"), (lambda message: message.__setitem__("PID-3[1]", "A~B"), "'~'"),
    (lambda message: message.__setitem__("PID-5", "A\rB"), r"'\\r'"),
    (lambda message: message.__setitem__("PID-5", 7), "takes text, not int"),
    (lambda message: message.__setitem__("PID-0", "x"), "counted from 1"), (lambda message: message.remove("MSH"), "without MSH"),
    (lambda message: message.remove(hl7.Segment("NTE|1")), "not of this message"),
))
def test_a_wrong_place_is_told_in_a_sentence(wrong, said):
    message = parse(ORDER)
    with pytest.raises(BadPath, match=said) as told:
        wrong(message)
    assert str(told.value).endswith(".") and message == parse(ORDER)


@pytest.mark.parametrize("text, said", (
    ("", "empty"), ("PID|1", "begins with MSH"), (b"\x16\x03\x01\xff", "begins with MSH"), ("FHS|^~\\&|X\rMSH|^~\\&|", "batch"),
    ("MSH", "separators"), ("MSH|", "separators"), ("MSHA^~\\&A", "separators"), ("MSH||x", "separators"), ("MSH|^|x\rpid|1", "Line 2"),
    (ORDER + "no segment\r", "Line 6"), (ORDER + ORDER, "second MSH"), (7, "not int"),
))
def test_what_is_no_message_is_told_in_a_sentence(text, said):
    with pytest.raises(BadMessage, match=said):
        parse(text)


def test_line_ends():
    usual = parse(ORDER)
    for end in ("\n", "\r\n", "\r\r", "\n\n"):
        assert parse(ORDER.replace("\r", end)) == parse("\r\n" + ORDER.rstrip("\r")) == usual
    # A line feed in a text is none: no segment follows.
    assert parse(ORDER.replace("CT head", "CT\nhead"))["OBR-4.2"] == "CT\nhead"


def test_separators_are_those_of_the_message():
    usual = parse(ORDER)
    other = ORDER.translate(str.maketrans("|^~\\&", "#~^$!"))
    read = parse(other)
    assert read["MSH-1"] == "#" and read["MSH-2"] == "~^$!" and read.encode().decode() == other
    assert read["PID-5.1"] == "O!K"                                                        # $T$ is its separator, an exclamation mark
    read["PID-5.1"] = usual["PID-5.1"]
    assert read.segments()[1:] == usual.segments()[1:]
    # What separates elsewhere is text here, and the other way round.
    read["PID-5.1"] = escape("a^b~c\\d&e|f#g!h$i")
    assert read.encode().split(b"\r")[1].split(b"#")[5] == b"a$R$b$S$c\\d&e|f$F$g$T$h$E$i~ANNA"
    assert unescape(parse(read.encode())["PID-5.1"]) == "a^b~c\\d&e|f#g!h$i"
    read["MSH-1"], read["MSH-2"] = "|", "^~\\&"
    assert read.encode().split(b"\r")[1].split(b"|")[5].startswith(rb"a\S\b\R\c\E\d\T\e\F\f#g!h$i")
    with pytest.raises(BadMessage, match="separators"):
        read["MSH-2"] = "abc"
    assert parse(ORDER.replace("^~\\&", "^~\\\\&"))["PID-3.4.2"] == "2.999.1.1"              # doubled
    short = parse("MSH|^~|A\rOBX|1|TX|a\\b&c\r")                                            # neither escapes nor subcomponents
    assert unescape(short["OBX-3"]) == "a\\b&c" and short.encode() == b"MSH|^~|A\rOBX|1|TX|a\\b&c\r"
    assert parse("MSH|^~\\&#|A\rPID|1||a#b")["PID-3"] == "a#b"                               # a truncation character, v2.7


def test_escapes():
    assert unescape(r"\F\ \S\ \T\ \R\ \E\ \X41\ \XC3A9\ \XE9\ a\.br\b") == "| ^ & ~ \\ A é é a\nb"
    assert unescape(r"\H\bold\N\ \Z99\ \.sp3\ \C2D41\ lone \ end") == r"\H\bold\N\ \Z99\ \.sp3\ \C2D41\ lone \ end"
    assert unescape(r"\X4\ \XZZ\ \X\ ") == r"\X4\ \XZZ\ \X\ "
    assert escape("a\r\nb\x0bc\x1c\r") == "a\\.br\\b\\X0B\\c\\X1C\\\\.br\\"
    draw = random.Random(1)
    for _ in range(500):
        text = "".join(draw.choice("|^~\\&ab é\n\x0b\x1cłX.") for _ in range(draw.randrange(12)))
        assert unescape(escape(text)) == text
        message = parse(ORDER)
        message["PID-5.2"] = escape(text)
        assert unescape(message["PID-5.2"]) == text and not {"\n", "\x0b", "\x1c"} & set(message["PID-5.2"])


def test_character_sets():
    for declared, encoding in (("", "latin-1"), ("UNICODE UTF-8", "utf-8"), ("8859/2", "iso8859_2"), ("8859/15", "iso8859_15"),
                               ("UNICODE UTF-8~8859/1", "utf-8"), ("no such set", "latin-1")):
        text = ORDER.replace("8859/1", declared).replace("ANNA", "JÖRG" if declared != "8859/2" else "MAŁGORZATA")
        message = parse(text.encode(encoding))
        assert message["PID-5.2"] in ("JÖRG", "MAŁGORZATA") and message.encode() == text.encode(encoding)
    # Bytes that the set does not have are shown as such, and go on as they came.
    wrong = ORDER.replace("8859/1", "UNICODE UTF-8").replace("ANNA", "JÖRG").encode("latin-1")
    message = parse(wrong)
    message["PID-8"] = "M"
    assert message["PID-5.2"] == "J\ufffdRG" and "J\ufffdRG" in repr(message)
    assert message.encode() == wrong.replace(b"|F\r", b"|M\r")
    message = parse(ORDER)
    message["PID-5.2"] = "MAŁGORZATA"
    with pytest.raises(BadMessage, match="'Ł' can't be written in the message's character set, MSH-18 '8859/1'"):
        message.encode()
    message["MSH-18"] = "UNICODE UTF-8"
    assert "MAŁGORZATA".encode() in message.encode()


def test_whatever_bytes_come_reading_says_so_or_reads(feed):
    draw = random.Random(2)
    read = 0
    for turn in range(4000):
        if turn % 4 == 0:
            octets = bytes(draw.randrange(256) for _ in range(draw.randrange(60)))
            octets = (b"MSH" if turn % 8 else b"") + octets
        else:
            octets = bytearray(draw.choice(feed).bytes)
            for _ in range(draw.randrange(1, 6)):
                place = draw.randrange(len(octets))
                new = bytes(draw.choice(b"|^~\\&\r\n\x0b\x1c#A\xff\xc3M") for _ in range(draw.randrange(3)))
                octets[place:place + draw.randrange(3)] = new
            if turn % 4 == 1:
                octets = octets[:draw.randrange(len(octets))]
        try:
            message = parse(octets)
        except BadMessage:
            continue
        read += 1
        for path in ("PID-3.1", "PID-5", "MSH-9.2", "MSH-18", "OBX[2]-5[2].1.1"):
            assert isinstance(message[path], str)
        repr(message).encode("utf-8")
        again = parse(message.encode())
        assert again.encode() == message.encode()
        assert again["PID-5"] == message["PID-5"]
        answer = parse(hl7.acknowledgement(message, Refusal("AE", "No.", "100")).encode())
        assert answer["MSA-2"] == message.control_id.rstrip("\n")
        assert answer["MSH-5"] == message["MSH-3"] and answer["MSH-2"] == message["MSH-2"]
    assert read > 1000


# Acknowledgements

def test_an_acknowledgement_is_written_for_the_sender_in_its_own_manner():
    text = "MSH#~^/!#CARD#HVGH#HV_ENGINE#HVX#20250407##ORU~R01#C1#P#2.3\r"
    answer = hl7.acknowledgement(parse(text), at="20250407073000")
    assert answer.encode() == b"MSH#~^/!#HV_ENGINE#HVX#CARD#HVGH#20250407073000##ACK~R01#KC1#P#2.3\rMSA#AA#C1\r"
    assert hl7.complaint(answer) == "AA"
    refusal = Refusal("AE", "MRG-1 is unknown.", "204", "MRG^1^1^1^4")
    answer = hl7.acknowledgement(parse(ORDER), refusal, "20250407")
    assert repr(answer) == ("MSH|^~\\&|HV_ENGINE|HVGH|RIS|HVGH|20250407||ACK^O01^ACK|KR17|P|2.3.1\nMSA|AE|R17|MRG-1 is unknown.\n"
                            "ERR|MRG^1^1^204&Unknown key identifier&HL70357")
    assert hl7.complaint(answer) == "AE: 204 Unknown key identifier at MRG^1^1; MRG-1 is unknown."
    answer = hl7.acknowledgement(parse(ORDER.replace("2.3.1", "2.5.1")), refusal, "20250407")
    assert repr(answer).split("\n")[1:] == ["MSA|AE|R17", "ERR||MRG^1^1^1^4|204^Unknown key identifier^HL70357|E||||MRG-1 is unknown."]
    assert hl7.complaint(answer) == "AE: 204 Unknown key identifier at MRG^1^1^1^4; MRG-1 is unknown."
    assert len(hl7.acknowledgement(parse(ORDER.replace("R17", "R" * 20))).control_id) <= 20
    assert re.fullmatch(r"\d{14}[+-]\d{4}", hl7.acknowledgement(parse(ORDER))["MSH-7"])
    with pytest.raises(ValueError, match="AE or AR"):
        Refusal("AA", "x")
    with pytest.raises(ValueError, match="0357"):
        Refusal("AE", "x", "999")
    with pytest.raises(ValueError, match="texts"):
        Refusal("AE", "x", 101)
    with pytest.raises(ValueError, match="the place of a refusal is text"):
        Refusal("AE", "x", "101", None)
    with pytest.raises(ValueError, match="the reason of a refusal is text"):
        Refusal("AE", None, "101")


@pytest.mark.parametrize("accept, application, answers", (
    ("", "", ("AA", "AE", "AR")), ('""', "", ("AA", "AE", "AR")), ("NE", "AL", ("AA", "AE", "AR")), ("", "AL", ("AA", "AE", "AR")),
    ("AL", "AL", ("CA", "CE", "CR")), ("AL", "NE", ("CA", "CE", "CR")), ("AL", "", ("CA", "CE", "CR")), ("NE", "NE", (None, None, None)),
    ("ER", "AL", (None, "CE", "CR")), ("SU", "NE", ("CA", None, None)), ("NE", "ER", (None, None, None)),
))
def test_the_answer_at_once_is_what_the_header_wants(accept, application, answers):
    message = parse(ORDER)
    message["MSH-15"], message["MSH-16"] = accept, application
    refusals = (None, Refusal("AE", "x", "101"), Refusal("AR", "x", "203"))
    replies = [hl7.reply(message, refusal) for refusal in refusals]
    assert tuple(reply and reply["MSA-1"] for reply in replies) == answers
    assert all(reply is None or (reply["MSA-2"], reply["MSH-15"], reply["MSH-16"]) == ("R17", "", "") for reply in replies)
    message["MSH-15"] = "AL"
    assert hl7.reply(message, Refusal("AR", "The disk is full."))["MSA-1"] == "CE"            # a reject is about type, processing, version


@pytest.mark.parametrize("path, text, code, number", (
    ("MSH-9", "", "AE", "101"), ("MSH-10", "", "AE", "101"), ("MSH-11", "", "AE", "101"), ("MSH-12", NULL, "AE", "101"),
    ("MSH-11", "X", "AR", "202"), ("MSH-12", "3.0", "AR", "203"),
))
def test_a_header_that_nobody_could_act_on_is_refused(path, text, code, number):
    message = parse(ORDER)
    hl7.check_header(message)
    message[path] = text
    with pytest.raises(Refusal) as told:
        hl7.check_header(message)
    assert (told.value.code, told.value.number) == (code, number) and str(told.value).startswith(path)


def test_what_is_no_message_is_answered_as_far_as_its_header_says_to_whom():
    assert repr(hl7.unreadable(b"\xff\x00", "No.", "20250407")).split("\n") == [
        "MSH|^~\\&|||||20250407||ACK|K|P|2.5.1", "MSA|AE|", "ERR||MSH^1|100^Segment sequence error^HL70357|E||||No."]
    answer = hl7.unreadable(ORDER.encode() + b"garbage \xff\r", "Line 6.")
    assert (answer["MSA-1"], answer["MSA-2"], answer["MSH-5"]) == ("AE", "R17", "RIS")


@pytest.mark.parametrize("answer", [hl7.reply, hl7.acknowledgement])
def test_a_code_alone_is_no_refusal(answer):
    message = hl7.parse("MSH|^~\\&|RIS|HVGH|HV_ENGINE|HVGH|20250407||ORM^O01|1|P|2.3.1\r")
    with pytest.raises(TypeError, match="refused with an hl7.Refusal.*not with 'AR'"):
        answer(message, "AR")
