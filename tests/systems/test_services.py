"""The live services, called by our own caller and by clients that nobody here wrote."""

import contextlib
import functools
import shutil
import socket
import subprocess
import threading

import pytest

from coursekit.standards import upper_layer as ul
from coursekit.standards.associations import at_once
from coursekit.systems import caller, services as live
from coursekit.systems.scu import NoAssociation, Scu
from coursekit.systems.services import BEHAVIOURS, FURTHER, HOST, running
from tests.systems.conftest import CT, ct

call = functools.partial(caller.call, seconds=30)        # on a busy machine a service may take its time
ECHOSCU = shutil.which("echoscu")
SAYS = {     # what DCMTK's echoscu prints
    "closed": "Connection refused", "silent": "timeout", "foreign": "Unrecognized PDU type", "hangs up": "Peer aborted Association",
    "renamed": "Called AE Title Not Recognized",
    "strict": "Calling AE Title Not Recognized", "busy": "Local Limit Exceeded", "aborts": "Peer aborted Association",
    "no context": "No Acceptable Presentation Contexts", "healthy": "Received Echo Response (Success)",
}


@pytest.fixture(scope="module")
def services():
    with running([(behaviour, "HV_PACS") for behaviour in BEHAVIOURS]) as services:
        yield {one.behaviour: one for one in services}


def test_our_caller_meets_each_behaviour(services):
    met = {name: call(one.host, one.port, "HV_PACS", seconds=0.5 if name == "silent" else 30) for name, one in services.items()}
    assert met["closed"].tcp == "refused" and met["closed"].reply is None
    assert met["silent"].reply == "nothing" and met["foreign"].reply == "no DICOM" and met["aborts"].reply == "A-ABORT"
    assert met["hangs up"].tcp == "connected" and met["hangs up"].reply == "hung up"
    rejected = {name: (one.result, one.source, one.reason) for name, one in met.items() if one.reply == "A-ASSOCIATE-RJ"}
    assert rejected == {"renamed": (1, 1, 7), "strict": (1, 1, 3), "busy": (2, 3, 2)}
    assert met["no context"].context == 3 and met["no context"].status is None
    assert met["healthy"].context == 0 and met["healthy"].status == 0
    assert repr(met["healthy"]).splitlines()[-1].split() == ["C-ECHO", "status", "0000H"]


def test_a_wrong_title_is_refused_by_each_that_looks_at_it(services):
    for name in ("strict", "no context", "healthy"):
        assert call(HOST, services[name].port, "HVPACS").reason == 7
    assert call(HOST, services["healthy"].port, " HV_PACS ").status == 0                # blanks at the ends do not count
    assert call(HOST, services["healthy"].port, "hv_pacs").reason == 7


@pytest.mark.skipif(not ECHOSCU, reason="DCMTK is not installed")
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_dcmtk_agrees(services, behaviour):
    patience = "1" if behaviour == "silent" else "30"
    command = [ECHOSCU, "-v", "-to", "30", "-ta", patience, "-td", "30", "-aet", "WS_ED1", "-aec", "HV_PACS", HOST, str(services[behaviour].port)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert SAYS[behaviour] in ran.stdout + ran.stderr and (ran.returncode == 0) == (behaviour == "healthy")


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_pynetdicom_agrees(services, behaviour):
    from pynetdicom import AE, evt

    station, heard = AE(ae_title="WS_ED1"), []
    station.add_requested_context("1.2.840.10008.1.1")
    station.acse_timeout, station.connection_timeout = 30 if behaviour != "silent" else 1, 30
    right = {"renamed": (1, 1, 7), "strict": (1, 1, 3), "busy": (2, 3, 2)}
    association = station.associate(HOST, services[behaviour].port, ae_title="HV_PACS", evt_handlers=[
        (evt.EVT_CONN_OPEN, at_once), (evt.EVT_PDU_RECV, lambda event: heard.append(event.pdu))])
    if behaviour == "healthy":
        assert association.send_c_echo().Status == 0 and association.send_c_echo().Status == 0
        association.release()
    elif behaviour in right:
        said = heard[0].to_primitive()      # not the association's: it takes a rejection that comes soon for no connection
        assert not association.is_established
        assert (said.result, said.result_source, said.diagnostic) == right[behaviour]
    else:
        assert association.is_aborted
        assert [one.result for one in association.rejected_contexts] == ([3] if behaviour == "no context" else [])


def _sent(port, *parts):
    """What comes back for these bytes, until the service hangs up: it does when it has answered them, because no more will come."""
    with socket.create_connection((HOST, port), timeout=30) as connection:
        for part in parts:
            connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)
        got = b""
        while octets := connection.recv(4096):
            got += octets
    return got


def _request(contexts):
    return ul.AssociateRequest("HV_PACS", "X", contexts, (ul.MaximumLength(0),)).encode()


def test_whatever_bytes_come_the_services_live_on(services):
    port = services["healthy"].port
    verification = ul.Context(1, "1.2.840.10008.1.1", ("1.2.840.10008.1.2",))
    abort = ul.Abort(2, 1).encode()
    assert _sent(port, b"GET / HTTP/1.1\r\n\r\n") == abort
    assert _sent(port, b"\x01\x00\x00\x00\x00\x04abcd") == abort                        # a request that is too short
    assert _sent(port, ul.Data((ul.Pdv(1, True, True, b""),)).encode())[:1] == b"\x07"   # data before any association
    accepted = _sent(port, _request((verification,))[:30], _request((verification,))[30:], ul.ReleaseRequest().encode())
    assert [one[0] for one in ul.split(accepted)[0]] == [2, 6]                         # in two pieces, then released
    contexts = (
        verification, ul.Context(3, "1.2.840.10008.5.1.4.1.1.2", ("1.2.840.10008.1.2",)),
        ul.Context(5, "1.2.840.10008.1.1", ("1.2.840.10008.1.2.2",)),
    )
    results = ul.decode(ul.split(_sent(port, _request(contexts)))[0][0])
    assert [(one.id, one.result) for one in results.contexts] == [(1, 0), (3, 3), (5, 4)]
    store = ul.Message(1, {"CommandField": 1, "MessageID": 7, "CommandDataSetType": ul.NO_DATA_SET})
    answer = ul.split(_sent(port, _request((verification,)), *[one.encode() for one in ul.fragment(store)]))[0][1]
    assert ul.decode_command(ul.decode(answer).values[0].data)["Status"] == 0x0211
    assert _sent(port, _request((verification,)), ul.Data((ul.Pdv(9, True, True, b"x"),)).encode())[-10:][:1] == b"\x07"
    assert call(HOST, port, "HV_PACS").status == 0


def test_callers_that_vanish_do_no_harm(services):
    for name in ("silent", "healthy", "busy"):
        for _ in range(5):
            connection = socket.create_connection((HOST, services[name].port), timeout=5)
            connection.sendall(b"\x01")
            connection.close()
    assert call(HOST, services["healthy"].port, "HV_PACS").status == 0


def test_a_service_may_know_its_callers():
    with running([("healthy", "HV_PACS"), ("busy", "HV_PACS"), ("no context", "HV_PACS")], callers=["WS_ED1"]) as (well, busy, other):
        assert call(well.host, well.port, "HV_PACS", "WS_ED1").status == 0
        for service in (well, other):
            for title in ("WS_ED2", "ws_ed1", "HV_PACS"):
                answer = call(service.host, service.port, "HV_PACS", title)
                assert (answer.result, answer.source, answer.reason) == (1, 1, 3)
        assert call(busy.host, busy.port, "HV_PACS", "WS_ED2").result == 2
        assert call(well.host, well.port, "HVPACS", "WS_ED2").reason == 7


def test_everything_ends_with_the_block(monkeypatch):
    loops = []

    class Loop(live._Loop):
        def __init__(self):
            super().__init__()
            loops.append(self)

    monkeypatch.setattr(live, "_Loop", Loop)
    for _ in range(20):
        with running([("silent", "A"), ("healthy", "B"), ("closed", "C")]) as (silent, _healthy, _closed):
            hanging = socket.create_connection((HOST, silent.port), timeout=30)
        with contextlib.suppress(ConnectionResetError):                                # so, if nobody had come to take it
            assert hanging.recv(1) == b""                                              # the open connection was closed as well
        hanging.close()
        # (A call would ask whoever has got the port meanwhile.)
        assert not loops[-1]._thread.is_alive() and {one.fileno() for one in loops[-1]._sockets} == {-1}
    with pytest.raises(ValueError, match="behaves"):
        with running([("healthy", "A"), ("odd", "B")]):
            pass
    with pytest.raises(KeyError):
        with running([("healthy", "A")]):
            raise KeyError


def test_what_nobody_answers():
    silent = socket.create_server((HOST, 0))                                           # takes the connection in its queue, says nothing
    with silent:
        assert call(HOST, silent.getsockname()[1], "A", seconds=0.2).reply == "nothing"
    listener = socket.create_server((HOST, 0))

    def hang_up():
        connection, _ = listener.accept()
        connection.recv(4096)
        connection.close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    assert call(HOST, listener.getsockname()[1], "A").reply == "hung up"
    thread.join()
    listener.close()


# What goes wrong later than the association, or more rarely

REJECTED = {"other application context": (1, 1, 2), "other protocol version": (1, 2, 2), "congested": (2, 3, 1),
            "starting": (2, 1, 7)}
STORES = {name: int(name[8:12], 16) for name in FURTHER if name.startswith("C-STORE")}
FINDS = {name: int(name[7:11], 16) for name in FURTHER if name.startswith("C-FIND")}
MOVES = {name: int(name[7:11], 16) for name in FURTHER if name.startswith("C-MOVE")}


@pytest.fixture(scope="module")
def further():
    with running([(behaviour, "HV_PACS") for behaviour in FURTHER]) as services:
        yield {one.behaviour: one.port for one in services}


def test_each_further_behaviour_is_tested():
    ends = ("dropped", "no syntax", "accepts and aborts", "aborts midway", "mute", "hangs up midway", "resets midway", "too long",
            "impatient")
    assert {*REJECTED, *STORES, *FINDS, *MOVES, *ends} == set(FURTHER)


def test_nothing_comes_of_a_call_that_is_dropped():
    with running([("dropped", "HV_PACS")]) as (service,):
        answer = caller.call(service.host, service.port, "HV_PACS")
        assert (answer.tcp, answer.reply) == ("timed out", None)
        assert caller.call(HOST, service.port, "HV_PACS").tcp == "refused"


def test_a_call_to_nowhere_is_no_timeout(monkeypatch):
    def unknown(*asked, **more):
        raise socket.gaierror("no such name")
    monkeypatch.setattr(caller.socket, "create_connection", unknown)
    assert caller.call("hv-pasc", 104, "HV_PACS").tcp == "name not found"
    for port in (0, 70000):
        with pytest.raises(ValueError, match="1 to 65535"):
            caller.call(HOST, port, "HV_PACS")


@pytest.mark.parametrize("behaviour", REJECTED)
def test_rejections(further, behaviour):
    with pytest.raises(NoAssociation) as raised:
        Scu("CT2", "HV_PACS", further[behaviour]).echo()
    assert (raised.value.result, raised.value.source, raised.value.reason) == REJECTED[behaviour]


@pytest.mark.parametrize("behaviour", STORES)
def test_statuses_of_a_store(further, behaviour):
    scu = Scu("CT2", "HV_PACS", further[behaviour])
    assert scu.echo() == 0 and scu.store([ct(1), ct(2)]) == [STORES[behaviour]] * 2
    assert scu.find(PatientID="").statuses == [0x0211]


@pytest.mark.parametrize("behaviour", [*FINDS, *MOVES])
def test_statuses_of_query_and_retrieve(further, behaviour):
    scu = Scu("CT2", "HV_PACS", further[behaviour])
    if behaviour in FINDS:
        assert scu.find(PatientID="").statuses == [FINDS[behaviour]]
    else:
        assert scu.move("WS_ED1", StudyInstanceUID="2.999.7")[0] == MOVES[behaviour]


@pytest.mark.skipif(not shutil.which("storescu"), reason="DCMTK is not installed")
@pytest.mark.parametrize("behaviour", STORES)
def test_dcmtk_meets_the_status_of_a_store(further, behaviour, tmp_path):
    ct().save_as(tmp_path / "a.dcm", enforce_file_format=True)
    ran = subprocess.run(["storescu", "-d", "-aec", "HV_PACS", HOST, str(further[behaviour]), tmp_path / "a.dcm"], capture_output=True,
                         text=True, timeout=100)
    assert f"0x{STORES[behaviour]:04x}" in ran.stdout + ran.stderr


def test_how_an_association_may_end(further):
    assert Scu("CT2", "HV_PACS", further["no syntax"]).contexts({CT: ["1.2.840.10008.1.2"]}) == {CT: (4, None)}
    for behaviour in ("mute", "hangs up midway", "resets midway"):
        assert Scu("CT2", "HV_PACS", further[behaviour], seconds=5).echo() is None, behaviour
    request = _request((ul.Context(1, "1.2.840.10008.1.1", ("1.2.840.10008.1.2",)),))
    assert [one[0] for one in ul.split(_sent(further["accepts and aborts"], request))[0]] == [2, 7]
    echo = ul.Message(1, {"CommandField": 0x30, "MessageID": 1, "CommandDataSetType": ul.NO_DATA_SET})
    asked = [request, *(one.encode() for one in ul.fragment(echo))]
    assert [one[0] for one in ul.split(_sent(further["aborts midway"], *asked))[0]] == [2, 7]
    _, answer = ul.split(_sent(further["too long"], *asked))[0]
    assert len(answer) - 6 > 16384
    assert _sent(further["hangs up midway"], *asked)[:1] == b"\x02"
    with pytest.raises(ConnectionResetError):
        with socket.create_connection((HOST, further["resets midway"]), timeout=30) as connection:
            connection.sendall(request)
            connection.recv(4096)
            connection.sendall(asked[1])
            connection.recv(4096)


def test_an_impatient_one_waits_for_a_request_and_no_longer(further, monkeypatch):
    with socket.create_connection((HOST, further["impatient"]), timeout=30) as connection:
        assert connection.recv(1) == b""                                # nothing was asked, and it hangs up
    monkeypatch.setattr(live, "ARTIM_SECONDS", 30)
    assert Scu("CT2", "HV_PACS", further["impatient"]).echo() == 0      # who asks in time is served


def test_a_caller_may_propose_more_than_an_echo(services):
    met = call(HOST, services["healthy"].port, "HV_PACS", also=(CT,))
    assert met.reply == "A-ASSOCIATE-AC" and met.context == 0 and met.status == 0       # that of Verification, whatever comes of the others
    met = call(HOST, services["healthy"].port, "HV_PACS", also=(CT,), before=(CT, CT))
    assert met.reply == "A-ASSOCIATE-AC" and met.context == 0 and met.status == 0       # the third context is asked for the echo
