"""The codec of upper-layer PDUs and DIMSE messages, judged by known bytes, by pynetdicom where installed, and by noise."""

import random

import pytest
from pynetdicom import pdu as theirs

from coursekit.errors import CourseError
from coursekit.hospital import bytes as artefacts
from coursekit.standards import upper_layer as ul

EXPLICIT, IMPLICIT, CT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.5.1.4.1.1.2"
USER = (
    ul.MaximumLength(16384), ul.ImplementationClass("2.999.9.41"), ul.AsynchronousWindow(3, 0), ul.Role(CT, 1, 0),
    ul.ImplementationVersion("HELIO_4.2"), ul.ExtendedNegotiation(CT, b"\2\0\1"), ul.UserIdentity(2, 1, b"ctuser", b"pass"),
    ul.OtherItem(0x57, b"\0\x01x\0\0\0\0"),
)
REQUEST = ul.AssociateRequest("HV_PACS", "CTER01", (ul.Context(1, CT, (EXPLICIT, IMPLICIT)),
                                                    ul.Context(3, "1.2.840.10008.1.1", (IMPLICIT,))), USER)
ACCEPT = ul.AssociateAccept("HV_PACS", "CTER01", (ul.ContextResult(1, 0, IMPLICIT), ul.ContextResult(3, 4, IMPLICIT)), USER[:2])
PDUS = (REQUEST, ACCEPT, ul.AssociateReject(1, 1, 3), ul.Data((ul.Pdv(1, True, True, b"\0\0"), ul.Pdv(1, False, False, b""))),
        ul.ReleaseRequest(), ul.ReleaseReply(), ul.Abort(2, 6))
ECHO = {"AffectedSOPClassUID": "1.2.840.10008.1.1", "CommandField": 0x30, "MessageID": 7, "CommandDataSetType": 0x0101}


@pytest.mark.parametrize("pdu", PDUS, ids=lambda pdu: ul.NAMES[pdu.type])
def test_decoding_undoes_encoding(pdu):
    data = pdu.encode()
    assert data[0] == pdu.type and int.from_bytes(data[2:6], "big") == len(data) - 6
    assert ul.decode(data) == pdu and ul.decode(bytearray(data)) == pdu


def test_known_bytes():
    assert ul.AssociateReject(1, 1, 3).encode() == bytes.fromhex("03 00 00000004 00 01 01 03")
    assert ul.ReleaseRequest().encode() == bytes.fromhex("05 00 00000004 00000000")
    assert ul.Abort(0).encode() == bytes.fromhex("07 00 00000004 0000 00 00")
    assert ul.Data((ul.Pdv(3, True, False, b"ab"),)).encode() == bytes.fromhex("04 00 00000008 00000004 03 01 6162")
    assert ul.encode_command(ECHO) == bytes.fromhex(
        "00000000 04000000 38000000  00000200 12000000" + b"1.2.840.10008.1.1\0".hex()
        + "00000001 02000000 3000  00001001 02000000 0700  00000008 02000000 0101")


@pytest.mark.parametrize("seed", range(6))
def test_the_request_of_case_17_is_the_one_built_byte_by_byte(seed):
    request = ul.decode(artefacts.associate_rq(seed))
    assert (request.called, request.calling) == ("HV_MWL", "CTER01") and request.encode() == artefacts.associate_rq(seed)
    assert [context.id for context in request.contexts] == [1, 3] and request.contexts[0].transfers == (EXPLICIT, IMPLICIT)
    requests, rest = ul.split(artefacts.association_trace(seed))
    assert [ul.decode(data).type for data in requests] == [1, 3] and rest == b""


def test_what_a_request_says_of_its_sender():
    assert REQUEST.maximum_length == 16384 and REQUEST.implementation == ("2.999.9.41", "HELIO_4.2")
    assert REQUEST.roles == {CT: (1, 0)} and ACCEPT.roles == {}
    bare = ul.AssociateRequest("A", "B", (), ())
    assert bare.maximum_length is None and bare.implementation == (None, None)


def test_padding_of_titles_and_uids_is_no_part_of_them():
    data = REQUEST.encode().replace(b"HV_PACS         ", b"  HV_PACS\0\0\0\0\0\0\0").replace(b"2.999.9.41", b"2.999.9.4\0")
    assert ul.decode(data).called == "HV_PACS" and ul.decode(data).implementation[0] == "2.999.9.4"
    with pytest.raises(ul.BadPdu, match="at most 16"):
        ul.AssociateRequest("SEVENTEEN_LETTERS", "A", (), ()).encode()


def test_split_keeps_an_incomplete_pdu_for_later():
    stream = b"".join(pdu.encode() for pdu in PDUS)
    for cut in range(len(stream)):
        found, rest = ul.split(stream[:cut])
        assert b"".join(found) + rest == stream[:cut]
        assert [ul.decode(data) for data in found] == list(PDUS[:len(found)])
    with pytest.raises(ul.BadPdu, match="byte 10 .* 16"):
        ul.split(ul.Abort(0).encode() + b"\x16\3\1")


@pytest.mark.parametrize(("data", "says"), [
    (b"", "6 bytes"), (b"\1\0\0", "6 bytes"), (b"\x16\3\1\2\0\1", "16"), (b"\x08\0\0\0\0\0", "08"),
    (b"\5\0\0\0\0\5" + bytes(4), "5 bytes follow"), (b"\5\0\0\0\0\5" + bytes(5), "4 bytes"),
    (b"\3\0\0\0\0\2" + bytes(2), "too early"),
    (b"\4\0\0\0\0\0", "at least one"), (b"\4\0\0\0\0\5\0\0\0\x09\1", "too early"), (b"\4\0\0\0\0\5\0\0\0\1\1", "too early"),
    (b"\1\0\0\0\0\x10" + bytes(16), "too early"),
    (REQUEST.encode()[:2] + b"\0\0\0\x48" + REQUEST.encode()[6:74] + b"\x10\0\0\x09", "too early"),
])
def test_bytes_that_are_no_pdu_are_refused_with_a_sentence(data, says):
    with pytest.raises(ul.BadPdu, match=says) as caught:
        ul.decode(data)
    assert isinstance(caught.value, CourseError) and str(caught.value).endswith(".")


def test_command_sets():
    command = {**ECHO, "Status": 0xA900, "OffendingElement": [(0x0008, 0x0016), (0x0010, 0x0020)], "ErrorComment": "odd",
               "MoveDestination": "WS_CH1", "AffectedSOPInstanceUID": "2.999.1"}
    data = ul.encode_command(command)
    again = ul.decode_command(data)
    assert again.pop("CommandGroupLength") == len(data) - 12 and again == command and len(data) % 2 == 0
    numbers = sorted(ul._NUMBERS[keyword][0] for keyword in command)
    assert [ul._NUMBERS[keyword][0] for keyword in again] == numbers
    assert ul.decode_command(b"\0\0\x10\x50\2\0\0\0ab") == {"(0000,5010)": b"ab"}
    for wrong, says in (({"Stauts": 0}, "Stauts"), ({"Status": 65536}, "US"), ({"Status": "0"}, "US"),
                        ({"MoveDestination": 4}, "AE")):
        with pytest.raises(ul.BadPdu, match=says):
            ul.encode_command(wrong)
    for wrong, says in ((b"\x08\0\x05\0\0\0\0\0", "0008,0005"), (b"\0\0\0\x09\1\0\0\0a", "1 bytes"),
                        (b"\0\0\0\x09\2\0\0\0a", "too early"),
                        (2 * b"\0\0\0\x09\2\0\0\0aa", "twice"), (b"\0\0", "too early")):
        with pytest.raises(ul.BadPdu, match=says):
            ul.decode_command(wrong)


@pytest.mark.parametrize(("maximum", "size"), [(maximum, size) for maximum in (0, 8, 9, 129, 16384)
                                               for size in (None, 0, 2, 1000, 70_000) if (maximum, size) != (8, 70_000)])
def test_a_message_comes_out_of_its_fragments_as_it_went_in(maximum, size):
    data = None if size is None else (bytes(range(250)) * (size // 250 + 1))[:size]
    message = ul.Message(5, {**ECHO, "CommandDataSetType": 0x0101 if size is None else 1}, data)
    pdus = ul.fragment(message, maximum)
    for pdu in pdus:
        assert not maximum or len(pdu.encode()) - 6 <= maximum
        assert len(pdu.values[0].data) % 2 == 0
    decoded = [ul.decode(pdu.encode()) for pdu in pdus]
    again, = ul.messages([REQUEST, *decoded, ul.ReleaseRequest()])
    assert again.data == message.data and again.context == 5 and again.name == "C-ECHO-RQ"
    assert {**again.command, "CommandGroupLength": 0} == {"CommandGroupLength": 0, **message.command}
    assert ul.messages(decoded[:-1]) == []


def test_fragments_that_do_not_fit_are_refused():
    command = ul.Pdv(1, True, True, ul.encode_command({**ECHO, "CommandDataSetType": 1}))
    for values in ((ul.Pdv(1, False, True, b""),), (command, command), (command, ul.Pdv(3, False, True, b"")),
                   (ul.Pdv(1, True, False, b""), ul.Pdv(3, True, True, b"")), (ul.Pdv(1, True, True, b"x"),)):
        with pytest.raises(ul.BadPdu):
            ul.messages([ul.Data(values)])
    with pytest.raises(ul.BadPdu, match="no room"):
        ul.fragment(ul.Message(1, ECHO), 7)


def test_noise_raises_nothing_but_bad_pdu():
    chance = random.Random(8)
    whole = [pdu.encode() for pdu in PDUS] + [part.encode() for part in ul.fragment(ul.Message(1, ECHO), 64)]
    survived = 0
    for _ in range(6000):
        data = bytearray(chance.choice(whole))
        way = chance.randrange(4)
        if way == 0:
            data = bytearray(chance.randbytes(chance.randrange(120)))
        elif way == 1:
            del data[chance.randrange(len(data) + 1):]
            data[2:6] = max(0, len(data) - 6).to_bytes(4, "big")
        else:
            for _ in range(chance.randrange(1, 5)):
                data[chance.randrange(len(data))] = chance.randrange(256)
        for use in (ul.decode, ul.split, ul.decode_command, lambda data: ul.messages([ul.decode(data)]),
                    lambda data: ul.messages(map(ul.decode, ul.split(data)[0]))):
            try:
                use(bytes(data))
                survived += 1
            except ul.BadPdu as error:
                assert str(error)
    assert survived > 1000                      # the noise is not so strong that nothing is tried


def test_pynetdicom_reads_and_writes_the_same():
    classes = (theirs.A_ASSOCIATE_RQ, theirs.A_ASSOCIATE_AC, theirs.A_ASSOCIATE_RJ, theirs.P_DATA_TF, theirs.A_RELEASE_RQ,
               theirs.A_RELEASE_RP, theirs.A_ABORT_RQ)
    simple = ul.AssociateRequest(REQUEST.called, REQUEST.calling, REQUEST.contexts, USER[:7])
    for pdu, cls in zip((simple, *PDUS[1:]), classes):
        other = cls()
        other.decode(pdu.encode())
        assert other.encode() == pdu.encode(), pdu
    request = classes[0]()
    request.decode(simple.encode())
    assert request.called_ae_title.strip() == "HV_PACS" and request.user_information.maximum_length == 16384
    assert [context.transfer_syntax for context in request.presentation_context] == [[EXPLICIT, IMPLICIT], [IMPLICIT]]


def test_pydicom_reads_the_command_sets():
    from io import BytesIO

    from pydicom import dcmread
    command = {**ECHO, "Status": 0xB000, "OffendingElement": [(0x10, 0x10)], "ErrorComment": "x"}
    ds = dcmread(BytesIO(ul.encode_command(command)), force=True)
    assert ds.CommandField == 0x30 and ds.Status == 0xB000 and ds.OffendingElement == 0x00100010 and ds.ErrorComment == "x"
    from pydicom.datadict import dictionary_VR, keyword_for_tag
    for number, (keyword, vr) in ul.ELEMENTS.items():
        assert (keyword_for_tag(number), dictionary_VR(number)) == (keyword, vr)
