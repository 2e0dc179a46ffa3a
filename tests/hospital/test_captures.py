"""The captures: sound TCP, the fault that the truth names where it names it; tshark, DCMTK and pynetdicom as judges."""

import io
import json
import re
import shutil
import subprocess

import pydicom
import pytest
from pynetdicom import pdu as pynetdicoms

from coursekit.hospital import bytes as artefacts
from coursekit.hospital.catalogue import PROCEDURES
from coursekit.hospital import captures, hospital, story
from coursekit.hospital.capture_stage import COMMITMENT, OTHERS
from coursekit.standards import pcap
from coursekit.standards import upper_layer as ul

EDITIONS = {"default": (0, "default"), "3": (3, "tiny"), "8": (8, 1000)}
NOT_DICOM = {"mllp", "mllp_no_end", "mllp_a40", "tls", "no_answer"}
REFUSALS = {"ct_mwl": (1, 1, 3), "called_aet": (1, 1, 7), "local_limit": (2, 3, 2), "application_context": (1, 1, 2)}
STATUSES = {"status_a700": 0xA700, "status_a900": 0xA900, "status_c000": 0xC000, "status_b000": 0xB000, "status_0122": 0x0122,
            "move_unknown": 0xA801}
CHECKS = ("-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE")

MODALITIES = {procedure.modality for procedure in PROCEDURES}


def _needs(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


@pytest.fixture(scope="module", params=EDITIONS)
def made(request):
    h = hospital(*EDITIONS[request.param])
    return h, {name: h.capture(name) for name in h.captures}


@pytest.fixture(scope="module")
def files(made, tmp_path_factory):
    folder = tmp_path_factory.mktemp("captures")
    for name, shown in made[1].items():
        (folder / f"{name}.pcap").write_bytes(shown.packets)
    return folder


def talks(shown):
    return pcap.connections(pcap.packets(shown.packets))


def pdus(stream):
    """(frame in which it was complete, bytes) of each PDU of one side."""
    found, end = [], 0
    for data in ul.split(stream.data)[0]:
        end += len(data)
        found.append((stream.frame(end), data))
    return found


def _run(*command):
    ran = subprocess.run([str(part) for part in command], capture_output=True, text=True, encoding="utf-8", errors="replace")
    return ran.returncode, ran.stdout, ran.stderr


def test_there_is_one_of_each_kind():
    assert len(captures.NAMES) == len(set(captures.NAMES)) >= 16
    h = hospital(3, "tiny")
    assert h.captures == captures.NAMES
    own = [incident.id for incident in captures.incidents(h)]
    assert own == [f"D2-{number:02d}" for number in range(1, 24)]
    with pytest.raises(captures.NoSuchCapture, match="no capture 'nothing'; there are echo, store"):
        h.capture("nothing")


def test_the_same_edition_gives_the_same_bytes_and_another_one_others(made):
    h, shown = made
    for name in captures.NAMES:
        assert captures.capture(name, h) == shown[name], name
    other = hospital(5, "tiny")
    assert all(other.capture(name).packets != shown[name].packets for name in captures.NAMES)


def test_packets_are_sound_and_in_order(made):
    h, shown = made
    for name, one in shown.items():
        packets = pcap.packets(one.packets)
        assert all(before.time < after.time for before, after in zip(packets, packets[1:])), name
        assert packets[-1].time // 1_000_000 < 1_744_003_800, name                          # before the course's now
        assert all(packet.arp or packet.ip.checksum_right and packet.tcp.checksum_right for packet in packets), name
        assert all(len(packet.payload) <= 1460 for packet in packets), name
        known = set(one.truth["hosts"])
        assert {ip for packet in packets if packet.ip for ip in (packet.ip.source, packet.ip.target)} == known, name
        entities = {aet: host for aet, host in h.pacs.rows("SELECT aet, host FROM ae")[1]}
        for ip, host in one.truth["hosts"].items():
            assert entities.get(host, OTHERS.get(host)) == ip, name


def test_the_truth_is_well_formed(made):
    _, shown = made
    for name, one in shown.items():
        truth, packets = one.truth, pcap.packets(one.packets)
        assert truth["frames"] == sorted(set(truth["frames"])) and 1 <= truth["frames"][0] <= truth["frames"][-1] <= len(packets)
        assert truth["at_utc"] == _utc(packets[truth["frames"][0] - 1].time), name
        assert (truth["fault"] is None) == (truth["layer"] is None), name
        assert truth["layer"] in (None, "ethernet", "ip", "tcp", "tls", "association", "dimse", "mllp", "hl7"), name
        assert json.loads(json.dumps(truth)) == truth, name
        assert one.ticket and not (truth["fault"] or "nothing wrong") in one.ticket, name
        assert not re.search(r"\b(A-?ABORT|RST|MTU|ARP|ARTIM|duplex|window|[0-9A-F]{4}H?)\b", one.ticket), name


def _utc(time):
    import datetime
    return datetime.datetime.fromtimestamp(time // 1_000_000, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def test_associations_are_what_the_packets_say(made):
    _, shown = made
    ends = {3: "rejected", 6: "released", 7: "aborted"}
    for name, one in shown.items():
        if name in NOT_DICOM | {"artim"}:
            assert one.truth["associations"] == [], name
            continue
        said = []
        for talk in talks(one):
            asked, answered = (pdus(stream) for stream in talk.sent)
            request = ul.decode(asked[0][1])
            outcome = ends.get(answered[-1][1][0], "open")
            if outcome == "open" and any(packet.tcp.flags & pcap.RST for packet in talk.packets):
                outcome = "reset"
            said.append({"client": one.truth["hosts"][talk.client[0]], "server": one.truth["hosts"][talk.server[0]],
                         "calling": request.calling, "called": request.called, "outcome": outcome,
                         "request_frame": asked[0][0], "answer_frame": answered[0][0]})
        assert sorted(said, key=lambda entry: entry["request_frame"]) == one.truth["associations"], name


def test_refusals_name_their_reason(made):
    _, shown = made
    for name, triple in REFUSALS.items():
        found = [frame for talk in talks(shown[name]) for frame, data in pdus(talk.sent[1])
                 if data[0] == 3 and ul.decode(data) == ul.AssociateReject(*triple)]
        assert sorted(found) == shown[name].truth["frames"], name
    assert len(shown["local_limit"].truth["frames"]) >= 3
    assert "05:30:00" <= shown["local_limit"].truth["at_utc"][11:] <= "05:38:00"             # after the change of shift at 07:30
    outcomes = [entry["outcome"] for entry in shown["local_limit"].truth["associations"]]
    assert outcomes.count("released") > 30 and set(outcomes) == {"released", "rejected"}


def test_statuses_are_answered(made):
    _, shown = made
    for name, status in STATUSES.items():
        talk, = talks(shown[name])
        answers = ul.messages(ul.decode(data) for _, data in pdus(talk.sent[1]))
        assert answers[-1].command["Status"] == status and answers[-1].command.get("ErrorComment"), name
        assert f"{status:04X}" == shown[name].truth["facts"]["status"], name


def test_contexts_are_refused(made):
    _, shown = made
    for name, code in (("abstract_syntax", 3), ("mg_ctx", 4)):
        answer = ul.decode(pdus(talks(shown[name])[-1].sent[1])[0][1])
        assert {context.result for context in answer.contexts} == {code}, name
        assert [context.result for context in answer.contexts] == shown[name].truth["facts"]["context_results"]


def test_the_acceptor_chooses_and_not_always_the_first(made):
    _, shown = made
    talk, = talks(shown["worklist"])
    request, answer = (ul.decode(pdus(stream)[0][1]) for stream in talk.sent)
    assert request.contexts[0].transfers[0] != answer.contexts[0].transfer == ul.decode(answer.encode()).contexts[0].transfer


def test_the_stored_objects_are_those_of_the_archive(made):
    h, shown = made
    for name in ("store", "move", "ct_store", "status_a700", "mr_idle", "duplex", "zero_window", "us_dup"):
        facts, found = shown[name].truth["facts"], []
        for talk in talks(shown[name]):
            for message in ul.messages(ul.decode(data) for _, data in pdus(talk.sent[0])):
                if message.name == "C-STORE-RQ":
                    ds = pydicom.dcmread(io.BytesIO(message.data), force=True)
                    ds.file_meta = pydicom.dataset.FileMetaDataset()
                    ds.file_meta.TransferSyntaxUID = artefacts.EXPLICIT
                    assert ds.SOPInstanceUID == message.command["AffectedSOPInstanceUID"], name
                    assert ds.pixel_array.shape == (ds.Rows, ds.Columns), name
                    assert ds.StudyInstanceUID == facts["study_uid"], name
                    assert ds.PatientID == facts.get("patient_id", facts.get("typed_id")), name
                    assert (ds.AccessionNumber or None) == facts.get("accession"), name
                    found.append(ds.SOPInstanceUID)
        assert set(found) == set(facts.get("sop_uids", [facts.get("sop_uid")])), name
        rows = h.pacs.rows(f"SELECT p.pid FROM study s JOIN patient p ON p.pk = s.patient_pk WHERE s.study_uid = "
                           f"'{facts['study_uid']}'")[1]
        assert rows == [(facts.get("patient_id", facts.get("typed_id")),)], name
    instance, = h.pacs.rows("SELECT created_utc FROM instance WHERE sop_uid = "
                            f"'{shown['store'].truth['facts']['sop_uid']}'")[1]
    assert shown["store"].truth["at_utc"] == instance[0]


def test_the_worklist_answers_with_the_orders_of_that_day(made):
    h, shown = made
    facts = shown["worklist"].truth["facts"]
    talk, = talks(shown["worklist"])
    answers = ul.messages(ul.decode(data) for _, data in pdus(talk.sent[1]))
    items = [pydicom.dcmread(io.BytesIO(answer.data), force=True) for answer in answers if answer.data]
    assert [answer.command["Status"] for answer in answers] == [0xFF00] * facts["hits"] + [0] and facts["hits"] >= 1
    assert [item.AccessionNumber for item in items] == facts["accessions"]
    for item in items:
        step, = item.ScheduledProcedureStepSequence
        assert step.ScheduledStationAETitle == facts["station_aet"] and item.PatientID and item.StudyInstanceUID
        _, rows = h.pacs.rows(f"SELECT study_uid, station_aet FROM orders WHERE accession = '{item.AccessionNumber}'")
        assert (item.StudyInstanceUID, facts["station_aet"]) in rows
    empty = shown["worklist_empty"].truth["facts"]
    assert h.pacs.rows(f"SELECT count(*) FROM orders WHERE station_aet = '{empty['station_aet']}' AND scheduled_local LIKE "
                       f"'{empty['day']}%'")[1] == [(0,)]


def test_commitment_comes_back_with_roles_reversed(made):
    _, shown = made
    there, back = talks(shown["commitment"])
    assert there.client[0] == back.server[0] and there.server[0] == back.client[0] and back.server[1] == 104
    request, answer = (ul.decode(pdus(stream)[0][1]) for stream in back.sent)
    assert request.roles == answer.roles == {COMMITMENT: (0, 1)}
    action, = ul.messages(ul.decode(data) for _, data in pdus(there.sent[0]))
    event, = ul.messages(ul.decode(data) for _, data in pdus(back.sent[0]))
    assert (action.name, event.name) == ("N-ACTION-RQ", "N-EVENT-REPORT-RQ") and event.command["EventTypeID"] == 1
    asked, told = (pydicom.dcmread(io.BytesIO(message.data), force=True) for message in (action, event))
    assert asked.TransactionUID == told.TransactionUID == shown["commitment"].truth["facts"]["transaction_uid"]
    assert ([item.ReferencedSOPInstanceUID for item in asked.ReferencedSOPSequence]
            == [item.ReferencedSOPInstanceUID for item in told.ReferencedSOPSequence])


def test_a_move_uses_a_second_association(made):
    _, shown = made
    asking, moving = talks(shown["move"])
    assert moving.client[0] == asking.server[0] and moving.server == (asking.client[0], 104)
    counts = [message.command.get("NumberOfCompletedSuboperations") for message in
              ul.messages(ul.decode(data) for _, data in pdus(asking.sent[1]))]
    stored = ul.messages(ul.decode(data) for _, data in pdus(moving.sent[0]))
    assert counts == [1, 2, 3] and len(stored) == 3
    assert {message.command["MoveOriginatorApplicationEntityTitle"] for message in stored} == {"WS_CH1"}


def test_faults_below_dicom_are_in_the_packets(made):
    _, shown = made
    packets = {name: pcap.packets(one.packets) for name, one in shown.items()}
    proof = {name: [packets[name][number - 1] for number in one.truth["frames"]] for name, one in shown.items()}
    assert proof["artim"][0].time - packets["artim"][2].time == pytest.approx(30e6, abs=1e5)
    facts = shown["ids_rst"].truth["facts"]
    assert {packet.ip.ttl for packet in proof["ids_rst"]} == {facts["forged_ttl"]} and len(set(facts["ttl"].values())) == 2
    ids, = talks(shown["ids_rst"])
    assert ul.split(ids.sent[0].data)[1]                                                     # in the middle of a PDU
    idle = talks(shown["mr_idle"])[0].packets
    assert max(after.time - before.time for before, after in zip(idle, idle[1:])) > 300e6
    assert {data[0] for _, data in pdus(talks(shown["mr_idle"])[0].sent[0])} == {1, 4}       # no A-RELEASE-RQ
    assert all(len(packet.payload) == 1460 and packet.ip.dont_fragment for packet in proof["mtu"]) and len(proof["mtu"]) >= 5
    waits = [after.time - before.time for before, after in zip(proof["mtu"], proof["mtu"][1:])]
    assert all(1.8 < later / earlier < 2.2 for earlier, later in zip(waits, waits[1:]))
    big = talks(shown["max_pdu"])[0]
    limit = ul.decode(pdus(big.sent[1])[0][1]).maximum_length
    assert max(len(data) - 6 for _, data in pdus(big.sent[0])) > limit == 16384
    for name, one in shown.items():
        if name not in NOT_DICOM | {"max_pdu", "artim"}:
            for talk in talks(one):
                limits = [ul.decode(pdus(stream)[0][1]) for stream in talk.sent]
                for stream, other in zip(talk.sent, limits[::-1]):
                    room = getattr(other, "maximum_length", None) or 1 << 30
                    assert all(len(data) - 6 <= room for _, data in pdus(stream) if data[0] == 4), name
    answers = [packet.arp.sender_mac for packet in packets["us_dup"] if packet.arp and packet.arp.operation == 2]
    assert set(answers) == set(shown["us_dup"].truth["facts"]["macs"]) and len(answers) == 6
    with pytest.raises(ul.BadPdu, match="16"):
        ul.split(talks(shown["tls"])[0].sent[0].data)
    assert len(proof["duplex"]) >= 8 and all(packet.tcp.window == 0 for packet in proof["zero_window"])
    assert {packet.tcp.flags for packet in packets["no_answer"]} == {pcap.SYN}


def test_mllp_frames(made):
    h, shown = made
    for name in ("mllp", "mllp_no_end", "mllp_a40"):
        for talk in talks(shown[name]):
            messages, answers = (stream.data.split(b"\x0b")[1:] for stream in talk.sent)
            broken = [message for message in messages if not message.endswith(b"\r\x1c\r")]
            assert len(answers) == len(messages) - len(broken), name
            assert all(answer.endswith(b"\r\x1c\r") for answer in answers), name
            if broken:
                assert name == "mllp_no_end" and shown[name].truth["facts"]["control_id"].encode() in broken[0]
    sent = [message for talk in talks(shown["mllp_no_end"]) for message in talk.sent[0].data.split(b"\x0b")[1:]]
    feed = {message.bytes.rstrip(b"\r") for message in h.feed}
    assert all(message.rstrip(b"\x1c\r") in feed for message in sent) and len(sent) == 4
    for order in talks(shown["mllp"])[0].sent[0].data.decode("utf-8", "replace").split("OBR|")[1:]:
        fields = ("OBR|" + order.split("\r")[0]).split("|")
        assert fields[18] in shown["mllp"].truth["facts"]["accessions"]
        assert fields[19][2:] == fields[20][3:] and fields[24] in MODALITIES


@pytest.mark.parametrize("seed", (1, 3))
def test_case_17_s_merge_is_the_message_of_the_feed(seed):
    h = hospital(seed, "tiny")
    feed = {message.bytes for message in h.feed}
    talk, = talks(h.capture("mllp_a40"))
    assert [stream.data[1:-2] in feed for stream in talk.sent] == [True, True]


@pytest.mark.parametrize("seed", (1, 2, 3, 4))
def test_case_17_is_found_by_its_facts(seed):
    h = hospital(seed, "tiny")
    case = h.incidents[0]
    assert captures.frames(h, case).keys() == {"ct_mwl", "ct_store", "mllp_a40"}
    found = captures.trace(h, case)
    assert [evidence.what for evidence in found] == ["worklist_refused", "mpps_refused", "stored", "merge_refused"]
    for evidence in found:
        assert all(case.facts[key] == value for key, value in evidence.ids.items())
    assert found[0].at_utc == case.facts["worklist_refused_utc"] and found[1].at_utc == case.facts["mpps_refused_utc"]
    assert captures.trace(h, case._replace(facts={**case.facts, "station_aet": "CT9", "temporary_id": "HVTMP9999"})) == []
    request = talks(h.capture("ct_mwl"))[0].sent[0].data
    assert request == artefacts.associate_rq(seed)
    assert talks(h.capture("ct_mwl"))[0].sent[1].data == artefacts.associate_rj()
    own = captures.incidents(h)[1]
    assert captures.frames(h, own) == {"local_limit": h.capture("local_limit").truth["frames"]}
    assert captures.trace(h, own)[0].at_utc == own.at_utc
    assert captures.frames(h, h.incidents[1]) == {} and captures.trace(h, h.incidents[1]) == []
    assert story.case_17(seed)["typed_id"] == found[2].ids["typed_id"]


# --- judges that nobody here wrote

FIELDS = ("frame.number", "dicom.pdu.type", "dicom.pdu.len", "dicom.assoc.ae.called", "dicom.assoc.ae.calling",
          "dicom.assoc.reject.result", "dicom.assoc.reject.source", "dicom.assoc.reject.reason", "dicom.assoc.abort.source",
          "dicom.assoc.abort.reason", "dicom.pctx.id", "dicom.pctx.result", "dicom.max_pdu_len", "dicom.userinfo.uid",
          "_ws.malformed", "ip.checksum.status", "tcp.checksum.status", "tcp.analysis.flags")


def _rows(file, *options):
    arguments = [part for field in FIELDS for part in ("-e", field)]
    code, out, error = _run("tshark", "-r", file, *CHECKS, *options, "-T", "fields", "-E", "separator=;", *arguments)
    assert code == 0, error
    return [dict(zip(FIELDS, line.split(";"))) for line in out.splitlines()]


@_needs("tshark")
@pytest.mark.parametrize("made", ("default", "3"), indirect=True)      # half a second for each capture
@pytest.mark.parametrize("name", captures.NAMES)
def test_tshark_agrees(made, files, name):
    """No malformed packet, no bad checksum; each PDU as our decoder reads it; the filter shows the frames of the truth.

    And nothing is odd about TCP where the truth does not say so.
    """
    one = made[1][name]
    rows = _rows(files / f"{name}.pcap")
    assert [row["frame.number"] for row in rows if row["_ws.malformed"]] == []
    assert {row["ip.checksum.status"] for row in rows} <= {"1", ""} >= {row["tcp.checksum.status"] for row in rows} - {"1"}
    if one.truth["layer"] in (None, "association", "dimse", "mllp", "hl7", "tls"):
        assert [row["frame.number"] for row in rows if row["tcp.analysis.flags"]] == []
    code, out, error = _run("tshark", "-r", files / f"{name}.pcap", *CHECKS, "-Y", one.truth["filter"], "-T", "fields",
                            "-e", "frame.number")
    assert (code, [int(line) for line in out.split()]) == (0, one.truth["frames"]), error
    if name in NOT_DICOM:
        return
    ours = {}
    for talk in talks(one):
        for stream in talk.sent:
            for frame, data in pdus(stream):
                pdu = ul.decode(data)
                row = ours.setdefault(frame, {field: [] for field in FIELDS})
                row["dicom.pdu.type"].append(pdu.type)
                row["dicom.pdu.len"].append(len(data) - 6)
                if pdu.type in (1, 2):
                    row["dicom.assoc.ae.called"].append(pdu.called)
                    row["dicom.assoc.ae.calling"].append(pdu.calling)
                    row["dicom.max_pdu_len"].append(pdu.maximum_length)
                    row["dicom.userinfo.uid"].append(pdu.implementation[0])
                    row["dicom.pctx.id"] += [context.id for context in pdu.contexts]
                if pdu.type == 2:
                    row["dicom.pctx.result"] += [context.result for context in pdu.contexts]
                if pdu.type == 3:
                    for field, value in zip(FIELDS[5:8], (pdu.result, pdu.source, pdu.reason)):
                        row[field].append(value)
                if pdu.type == 7:
                    for field, value in zip(FIELDS[8:10], (pdu.source, pdu.reason)):
                        row[field].append(value)
    theirs = {}
    for row in rows:
        if row["dicom.pdu.type"]:
            theirs[int(row["frame.number"])] = {
                field: [text.strip() if ".ae." in field or "uid" in field else int(text, 0)
                        for text in row[field].split(",") if text]
                for field in FIELDS[1:14]}
    assert {frame: {field: row[field] for field in FIELDS[1:14]} for frame, row in ours.items()} == theirs


@_needs("tshark")
@_needs("dcmdump")
def test_objects_come_out_of_the_captures(made, files, tmp_path):
    for name, count in (("store", 1), ("ct_store", 1), ("move", 3), ("duplex", 1), ("zero_window", 1)):
        folder = tmp_path / name
        code, _, error = _run("tshark", "-q", "-r", files / f"{name}.pcap", "-o", "dicom.export_minsize:1000",
                              "--export-objects", f"dicom,{folder}")
        assert code == 0, error
        found = sorted(folder.iterdir())
        assert len(found) == count, name
        for file in found:
            code, out, error = _run("dcmdump", file)
            # The header of the file is tshark's own, and pads its UIDs with blanks.
            said = [line for line in error.splitlines() if "Element MediaStorageSOP" not in line]
            assert (code, said) == (0, []) and "(7fe0,0010)" in out, name
        facts = made[1][name].truth["facts"]
        assert {pydicom.dcmread(file).SOPInstanceUID for file in found} == set(facts.get("sop_uids", [facts.get("sop_uid")]))


@_needs("dciodvfy")
def test_the_slice_on_the_wire_is_a_ct_image(made, tmp_path):
    talk, = talks(made[1]["store"])
    message, = ul.messages(ul.decode(data) for _, data in pdus(talk.sent[0]))
    ds = pydicom.dcmread(io.BytesIO(message.data), force=True)
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = artefacts.EXPLICIT
    ds.save_as(tmp_path / "slice.dcm", enforce_file_format=True)
    _, out, error = _run("dciodvfy", tmp_path / "slice.dcm")
    said = out + error
    assert "CTImage" in said
    assert [line for line in said.splitlines() if "Error" in line and "example root" not in line] == []


def test_pynetdicom_reads_every_pdu_as_we_do(made):
    classes = {1: pynetdicoms.A_ASSOCIATE_RQ, 2: pynetdicoms.A_ASSOCIATE_AC, 3: pynetdicoms.A_ASSOCIATE_RJ, 4: pynetdicoms.P_DATA_TF,
               5: pynetdicoms.A_RELEASE_RQ, 6: pynetdicoms.A_RELEASE_RP, 7: pynetdicoms.A_ABORT_RQ}
    seen = set()
    for name, one in made[1].items():
        for talk in talks(one) if name not in NOT_DICOM else ():
            for stream in talk.sent:
                for _, data in pdus(stream):
                    other, own = classes[data[0]](), ul.decode(data)
                    other.decode(data)
                    assert other.encode() == data == own.encode(), name
                    seen.add(data[0])
                    if own.type in (1, 2):
                        assert len(other.presentation_context) == len(own.contexts), name
                        assert [item.context_id for item in other.presentation_context] == [item.id for item in own.contexts]
                    if own.type == 4:
                        assert [item.presentation_context_id for item in other.presentation_data_value_items] == [
                            value.context for value in own.values]
    assert seen == set(classes)
