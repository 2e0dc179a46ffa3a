"""PIX and PDQ over MLLP: feeds, queries, notifications."""

import random

import pytest

from coursekit.standards import hl7
from coursekit.systems import mllp
from coursekit.systems.mllp import Listener
from coursekit.systems.pix_manager import PixManager

HVGH, ECC, NMH = "HVGH&2.999.1.1&ISO", "ECC&2.999.1.2&ISO", "NMH&2.999.1.9&ISO"


@pytest.fixture
def manager():
    with PixManager(sources={("CARD", "HVGH"): "2.999.1.1"}, clock=lambda: "20250407060000") as manager:
        yield manager


def send(manager, *segments, event, version="2.5", sender="RIS"):
    text = "\r".join([f"MSH|^~\\&|{sender}|HVGH|NMH_INDEX|NMH|20250407060000||{event}|C{random.randrange(10**6)}|P|{version}", *segments, ""])
    return mllp.send("127.0.0.1", manager.hl7_port, text)


def feed(manager, pid, name="VANDERMEER^ANNA", birth="19610817", sex="F", trigger="A04", **more):
    return send(manager, f"EVN|{trigger}|20250407060000", f"PID|||{pid}||{name}||{birth}|{sex}|||Quay 4^^Harbour Vale^^1011AB", "PV1||N",
                event=f"ADT^{trigger}", version="2.3.1", **more)


def merge(manager, pid, old):
    return send(manager, "EVN|A40|20250407060000", f"PID|||{pid}||VANDERMEER^ANNA", f"MRG|{old}", event="ADT^A40", version="2.3.1")


def pix(manager, person, domains=""):
    return send(manager, f"QPD|IHE PIX Query|Q1|{person}|{domains}", "RCP|I", event="QBP^Q23^QBP_Q21")


def pdq(manager, asked, domains="", limit="", more=()):
    return send(manager, f"QPD|IHE PDQ Query|T1|{asked}|||||{domains}", f"RCP|I|{limit}", *more, event="QBP^Q22^QBP_Q21")


@pytest.fixture
def two(manager):
    assert feed(manager, f"HV1^^^{HVGH}")["MSA-1"] == "AA"
    assert feed(manager, f"EC-1^^^{ECC}", name="VAN DER MEER^ANNA")["MSA-1"] == "AA"
    return manager


def test_a_cross_reference(two):
    answer = pix(two, f"HV1^^^{HVGH}")
    assert answer["MSH-9"] == "RSP^K23^RSP_K23" and [one.name for one in answer.segments()] == ["MSH", "MSA", "QAK", "QPD", "PID"]
    assert (answer["MSA-1"], answer["QAK-1"], answer["QAK-2"]) == ("AA", "Q1", "OK")
    assert answer["PID-3"] == f"EC-1^^^{ECC}" and answer["PID-5"] == "~^^^^^^S"
    assert answer["QPD-3"] == f"HV1^^^{HVGH}"
    assert pix(two, f"HV1^^^{HVGH}", f"^^^{ECC}")["PID-3"] == f"EC-1^^^{ECC}"
    assert pix(two, "HV1^^^HVGH", "^^^&2.999.1.2&ISO")["PID-3"] == f"EC-1^^^{ECC}"        # a namespace, or an OID, alone


@pytest.mark.parametrize("person, domains, status, where", [
    (f"HV1^^^{HVGH}", f"^^^{NMH}", "NF", ""), (f"HV9^^^{HVGH}", "", "AE", "QPD^1^3^1^1"), ("HV1^^^XX&2.999.7&ISO", "", "AE", "QPD^1^3^1^4"),
    (f"HV1^^^{HVGH}", f"^^^{ECC}~^^^XX&2.999.7&ISO", "AE", "QPD^1^4^2"), ("HV1^^^HVGH&2.999.1.2&ISO", "", "AE", "QPD^1^3^1^4"),
])
def test_the_cases_of_a_pix_query(two, person, domains, status, where):
    answer = pix(two, person, domains)
    assert answer["QAK-2"] == status and "PID" not in answer
    if status == "AE":
        assert answer["MSA-1"] == "AE" and answer["ERR-2"] == where and answer["ERR-3.1"] == "204" and answer["ERR-4"] == "E"
    else:
        assert answer["MSA-1"] == "AA" and "ERR" not in answer


def test_a_merge(two):
    feed(two, f"HVTMP^^^{HVGH}", name="UNKNOWN^FEMALE", birth="")
    assert merge(two, f"HV1^^^{HVGH}", f"HVTMP^^^{HVGH}")["MSA-1"] == "AA"
    assert pix(two, f"HVTMP^^^{HVGH}")["ERR-2"] == "QPD^1^3^1^1"
    again = merge(two, f"HV1^^^{HVGH}", f"HVTMP^^^{HVGH}")
    assert again["MSA-1"] == "AE" and "204" in hl7.complaint(again)
    dropped = merge(two, f"HV1^^^{HVGH}", "HVTMP")                                       # Case 17: the engine has lost MRG-1.4
    assert dropped["MSA-1"] == "AE"


def test_what_the_feed_refuses(manager):
    assert feed(manager, "HV1^^^XX&2.999.7&ISO")["MSA-1"] == "AE"
    assert feed(manager, "")["MSA-1"] == "AE" and feed(manager, f"HV1^^^{HVGH}", name="")["MSA-1"] == "AE"
    assert feed(manager, f"HV1^^^{HVGH}", trigger="A34")["MSA-1"] == "AR"
    assert send(manager, "PID|||1", event="ORU^R01")["MSA-1"] == "AR"
    assert feed(manager, "HV7", sender="CARD")["MSA-1"] == "AA"                          # its authority follows from who sends it
    assert pix(manager, f"HV7^^^{HVGH}")["QAK-2"] == "NF"


def test_demographics(two):
    feed(two, f"HV2^^^{HVGH}", name="VANDERBERG^ILSE", birth="19700101")
    answer = pdq(two, "@PID.5.1^VANDER*")
    assert answer["MSH-9"] == "RSP^K22^RSP_K21" and answer["QAK-2"] == "OK" and len(answer.segments("PID")) == 2
    one, = pdq(two, "@PID.5.1^vandermeer~@PID.7^19610817").segments("PID")
    assert one["3"] == f"HV1^^^{HVGH}~EC-1^^^{ECC}" and one["5.1"] == "VANDERMEER" and one["7"] == "19610817" and one["8"] == "F"
    assert one["11"] == "Quay 4^^Harbour Vale^^1011AB"
    assert pdq(two, "@PID.5.1^VANDERMEER", f"^^^{ECC}").segments("PID")[0]["3"] == f"EC-1^^^{ECC}"
    assert pdq(two, "@PID.5.1^NOBODY")["QAK-2"] == "NF" and pdq(two, "@PID.5.1^VANDERMEER", f"^^^{NMH}")["QAK-2"] == "NF"
    for issuer in ("@PID.3.4^HVGH", "@PID.3.4.1^HVGH", "@PID.3.4.2^2.999.1.1", "@PID.3.4.1^HVGH~@PID.3.4.2^2.999.1.1"):
        assert pdq(two, f"@PID.3.1^HV1~{issuer}")["QAK-2"] == "OK", issuer
    # EC-1 is the same person's number in the other hospital: HV1 is none of that hospital's.
    for issuer in ("@PID.3.4^ECC", "@PID.3.4.2^2.999.1.2", "@PID.3.4.1^HVGH~@PID.3.4.2^2.999.1.2", "@PID.3.4^XX"):
        assert pdq(two, f"@PID.3.1^HV1~{issuer}")["QAK-2"] == "NF", issuer
    unknown = pdq(two, "@PID.5.1^X", "^^^XX&2.999.7&ISO~^^^YY&2.999.8&ISO")
    assert [one["2"] for one in unknown.segments("ERR")] == ["QPD^1^8^1", "QPD^1^8^2"] and unknown["QAK-2"] == "AE"
    assert pdq(two, "@PID.99^X")["MSA-1"] == "AE" and pdq(two, "")["MSA-1"] == "AE"


def test_continuation(manager):
    for number in range(5):
        feed(manager, f"HV{number}^^^{HVGH}", name=f"SMITH^{'ABCDE'[number] * 4}", birth=f"1970010{number + 1}")
    first = pdq(manager, "@PID.5.1^SMITH", limit="2^RD")
    assert len(first.segments("PID")) == 2 and first["DSC-2"] == "I"
    second = pdq(manager, "@PID.5.1^SMITH", limit="2^RD", more=[f"DSC|{first['DSC-1']}|I"])
    third = pdq(manager, "@PID.5.1^SMITH", limit="2^RD", more=[f"DSC|{second['DSC-1']}|I"])
    numbers = [one["3.1"] for answer in (first, second, third) for one in answer.segments("PID")]
    assert numbers == [f"HV{number}" for number in range(5)] and "DSC" not in third
    assert pdq(manager, "@PID.5.1^SMITH", more=["DSC|nonsense|I"])["MSA-1"] == "AE"
    again = pdq(manager, "@PID.5.1^SMITH", limit="2^RD")
    assert send(manager, f"QID|{again['DSC-1']}|IHE PDQ Query", event="QCN^J01^QCN_J01")["MSA-1"] == "AA"
    assert pdq(manager, "@PID.5.1^SMITH", limit="2^RD", more=[f"DSC|{again['DSC-1']}|I"])["MSA-1"] == "AE"


def test_consumers_are_told():
    with Listener("HV_PACS") as consumer, PixManager(consumers={
            "HV_PACS": ("127.0.0.1", consumer.port, ("2.999.1.1", "2.999.1.2")), "GONE": ("127.0.0.1", 1, ("2.999.1.1",))}) as manager:
        feed(manager, f"HV1^^^{HVGH}")
        feed(manager, f"EC-1^^^{ECC}")
        feed(manager, f"NM1^^^{NMH}", name="OTHER^PERSON")
        assert consumer.journal.wait("ADT^A31", 2)
        told = [event.data for event in consumer.journal if event.what == "ADT^A31"]
        assert [one["PID-3"] for one in told] == [f"HV1^^^{HVGH}", f"EC-1^^^{ECC}~HV1^^^{HVGH}"] or \
            [one["PID-3"] for one in told] == [f"HV1^^^{HVGH}", f"EC-1^^^{ECC}~HV1^^^{HVGH}"]
        assert told[0]["PID-5"] == " " and told[0]["PV1-2"] == "N"
        assert any("GONE" == event.target for event in manager.journal)


@pytest.mark.parametrize("kind", ["RSP_K23", "RSP_K21"])
def test_hl7apy_finds_nothing_wrong_with_answers(two, kind):
    from hl7apy import parser
    from hl7apy.consts import VALIDATION_LEVEL

    answer = pix(two, f"HV1^^^{HVGH}") if kind == "RSP_K23" else pdq(two, "@PID.5.1^VANDER*")
    text = answer.encode().decode().replace("RSP_K21", "RSP_K21")
    message = parser.parse_message(text, validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False)
    assert {one.name for one in message.children} >= {"MSH", "MSA", "QAK", "QPD", "PID"}


def test_an_index_of_ones_own():
    """A learner's matching in the place of ours."""
    class Mine:
        def domain(self, namespace="", oid=""):
            return "2.999.1.1"

        def cross_reference(self, identifier, domains=None):
            return [identifier._replace(number="FOUND")]

        def __len__(self):
            return 1

    with PixManager(index=Mine()) as manager:
        assert pix(manager, f"HV1^^^{HVGH}")["PID-3.1"] == "FOUND" and "1 patient numbers" in repr(manager)
