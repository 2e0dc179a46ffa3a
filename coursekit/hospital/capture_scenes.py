"""The captures one by one: each function plays one on a ``Scene`` and returns what is true of it.

The ticket of each is what the caller said. A truth's `frames` are those that were sent, not yet numbered.
"""

from typing import NamedTuple

from coursekit.hospital import bytes as artefacts
from coursekit.hospital import clock, story
from coursekit.hospital.capture_stage import (
    COMMITMENT, COMMITMENT_INSTANCE, CR, CT, DX, EXPLICIT, IMPLICIT, INTRA_ORAL, JPEG_LOSSLESS, MG, MLLP_PORT, MPPS,
    MR, OCT, OCT_PROCESSING, PET, PHOTOGRAPH, SECONDARY_CAPTURE, STUDY_ROOT_FIND, STUDY_ROOT_MOVE,
    TOMOSYNTHESIS, ULTRASOUND, VERIFICATION, WORKLIST, XA, charset_of, data_set, dicom_times, exam_of,
    image_data, known_by, latest_ct, object_uids, showing,
)
from coursekit.standards import upper_layer as ul
from coursekit.standards.pcap import ACK, CLIENT, FIN, PSH, RST, SERVER, SYN


class Plan(NamedTuple):
    build: object
    incident: str
    ticket: str


PLANS = {}                          # name of a capture -> Plan


def captured(incident, ticket):
    """Register a function of a scene that plays a capture and returns its truth."""
    def register(build):
        PLANS[build.__name__.strip("_")] = Plan(build, incident, " ".join(ticket.split()))
        return build
    return register


# --- captures in which nothing is wrong

@captured(None, """Reading workstation WS_CH1: the "test connection" button says the archive answers. Please confirm
    before we sign off the new switch.""")
def _echo(scene):
    scene.listen("HV_PACS")
    talk = scene.call("WS_CH1", "HV_PACS", "2025-04-04 06:12:07", [(VERIFICATION, (IMPLICIT,))])
    talk.accept()
    proof = talk.echo()
    talk.release()
    return {"frames": proof, "filter": showing(0x0030, 0x8030)}


@captured(None, "The CT asks whether its images of this morning arrive whole, and how long the archive takes for one.")
def _store(scene):
    row = latest_ct(scene)
    uid, number, received = row["instances"][1]
    station = row["station_aet"]
    scene.listen("HV_PACS")
    talk = scene.call(station, "HV_PACS", received, [(VERIFICATION, (IMPLICIT,)), (CT, (EXPLICIT, IMPLICIT))])
    talk.accept(maximum=16384)
    proof = talk.store(3, CT, uid, data_set(image_data(scene, row, CT, uid, number, 128)))
    talk.release()
    return {"frames": proof[1:], "filter": showing(0x8001),
            "facts": {**known_by(row), "sop_uid": uid, "received_utc": received}}


def _scheduled(scene):
    """The station with the longest worklist of one day, at most 12 entries, and these: (station, day, list of dicts).

    The day lies before the last 30 days, of which the worklist keeps a log of every query.
    """
    from coursekit.hospital.flow import clean_name
    _, rows = scene.h.pacs.rows(
        "SELECT substr(scheduled_local, 1, 10) AS day, station_aet, count(*) FROM orders WHERE scheduled_local > '2025-01-20' AND "
        "scheduled_local < '2025-03-08' AND status != 'CANCELLED' AND ordered_utc < substr(scheduled_local, 1, 10) || ' 04:00:00' "
        "GROUP BY 1, 2 HAVING count(*) <= 12 ORDER BY 3 DESC, 1, 2 LIMIT 1")
    day, station, _ = rows[0]
    columns, rows = scene.h.pacs.rows(
        "SELECT o.accession, o.placer_number, o.procedure_code, o.procedure_desc, o.modality, o.scheduled_local, o.study_uid, "
        "p.pid, p.name, p.birth_date, p.sex, i.name AS issuer FROM orders o JOIN patient p ON p.pk = o.patient_pk "
        "LEFT JOIN issuer i ON i.pk = p.issuer_pk "
        f"WHERE o.station_aet = '{station}' AND o.scheduled_local LIKE '{day}%' AND o.status != 'CANCELLED' "
        f"AND o.ordered_utc < '{day} 04:00:00' ORDER BY o.scheduled_local, o.pk")
    entries = [dict(zip(columns, row)) for row in rows]
    return station, day, [{**entry, "name": clean_name(entry["name"])} for entry in entries]


def _worklist_item(station, modality="", day="", time="", item=None):
    """The identifier of a worklist query, or with an order as `item`, of its answer (PS3.4 Table K.6-1)."""
    item = item or {}
    accession, number = item.get("accession", ""), item.get("placer_number", "")[1:]
    step = [(0x00080060, "CS", modality), (0x00400001, "AE", station), (0x00400002, "DA", day), (0x00400003, "TM", time),
            (0x00400006, "PN", ""), (0x00400007, "LO", item.get("procedure_desc", "")),
            (0x00400009, "SH", number and f"SPS{number}")]
    return [
        (0x00080005, "CS", charset_of(item.get("name"))), (0x00080050, "SH", accession[:16]), (0x00080090, "PN", ""),
        (0x00100010, "PN", item.get("name", "")), (0x00100020, "LO", item.get("pid", "")),
        (0x00100021, "LO", item.get("issuer") or ""),
        (0x00100030, "DA", (item.get("birth_date") or "").replace("-", "")), (0x00100040, "CS", item.get("sex") or ""),
        (0x0020000D, "UI", item.get("study_uid", "")), (0x00321060, "LO", item.get("procedure_desc", "")),
        (0x00400100, "SQ", [step]), (0x00401001, "SH", number and f"RP{number}"),
    ]


def _ask_worklist(scene, station, modality, day, entries):
    """A worklist query by `station` early on `day`: its frames (the question and all answers)."""
    scene.listen("HV_MWL")
    talk = scene.call(station, "HV_MWL", f"{day} 04:41:26", [(WORKLIST, (EXPLICIT, IMPLICIT)), (VERIFICATION, (IMPLICIT,))])
    talk.accept()
    # The worklist prefers Implicit VR although Explicit VR was proposed first.
    digits = day.replace("-", "")
    proof = [talk.ask(0x20, 1, WORKLIST, data_set(_worklist_item(station, modality, digits), implicit=True), Priority=0)]
    for entry in entries:
        item = _worklist_item(station, entry["modality"], digits, dicom_times(entry["scheduled_local"])[1], entry)
        proof.append(talk.reply(0x20, 1, WORKLIST, 0xFF00, data_set(item, implicit=True), think=scene.chance(900, 2500)))
    proof.append(talk.reply(0x20, 1, WORKLIST))
    talk.release()
    return proof


@captured(None, "The technologists find their list rather long today. What did the RIS really send?")
def _worklist(scene):
    station, day, entries = _scheduled(scene)
    proof = _ask_worklist(scene, station, entries[0]["modality"], day, entries)
    return {"frames": proof, "filter": showing(0x0020, 0x8020),
            "facts": {"station_aet": station, "day": day, "hits": len(entries), "accessions": [e["accession"] for e in entries]}}


@captured(None, "The worklist on this device is empty again. The network must be down, please send somebody.")
def _worklist_empty(scene):
    _, day, _ = _scheduled(scene)
    candidates = {"XC_WOUND": "XC", "OCT1": "IVOCT", "IVUS1": "IVUS", "PX_DENT1": "PX", "IO_DENT1": "IO", "PETMR1": "PT"}
    busy = {row[0] for row in scene.h.pacs.rows(
        f"SELECT DISTINCT station_aet FROM orders WHERE scheduled_local LIKE '{day}%'")[1]}
    station = next(station for station in candidates if station not in busy)
    proof = _ask_worklist(scene, station, candidates[station], day, [])
    return {"frames": proof, "filter": showing(0x0020, 0x8020), "facts": {"station_aet": station, "day": day, "hits": 0}}


@captured(None, "The radiologist opens a prior on WS_CH1 and wonders which way its images come.")
def _move(scene):
    row = latest_ct(scene)
    scene.listen("HV_PACS")
    talk = scene.call("WS_CH1", "HV_PACS", "2025-04-07 04:52:31", [(STUDY_ROOT_FIND, (IMPLICIT,)), (STUDY_ROOT_MOVE, (IMPLICIT,))])
    talk.accept()
    uids = [uid for uid, _, _ in row["instances"]]
    wanted = data_set([(0x00080018, "UI", "\\".join(uids)), (0x00080052, "CS", "IMAGE"), (0x0020000D, "UI", row["study_uid"]),
                    (0x0020000E, "UI", row["series_uid"])], implicit=True)
    proof = [talk.ask(0x21, 3, STUDY_ROOT_MOVE, wanted, Priority=0, MoveDestination="WS_CH1")]
    talk.connection.think(scene.chance(6000, 20000))
    sub = scene.call("HV_PACS", "WS_CH1", talk.connection.now, [(CT, (EXPLICIT, IMPLICIT))])
    sub.accept()

    def progress(done, status):
        counts = {} if status == 0 else {"NumberOfRemainingSuboperations": len(uids) - done}
        talk.connection.think(max(0, sub.connection.now - talk.connection.now))
        return talk.reply(0x21, 3, STUDY_ROOT_MOVE, status, think=300, **counts, NumberOfCompletedSuboperations=done,
                          NumberOfFailedSuboperations=0, NumberOfWarningSuboperations=0)

    for done, (uid, number, _) in enumerate(row["instances"], 1):
        sub.store(1, CT, uid, data_set(image_data(scene, row, CT, uid, number, 64)), originator=("WS_CH1", talk.message))
        if done < len(uids):
            proof.append(progress(done, 0xFF00))
    sub.release()
    proof.append(progress(len(uids), 0))
    talk.release()
    return {"frames": proof, "filter": showing(0x0021, 0x8021),
            "facts": {**known_by(row), "sop_uids": uids, "destination": "WS_CH1", "completed": len(uids)}}


@captured(None, "The scanner shows its study as 'archived', with a little lock. Who told it, and when?")
def _commitment(scene):
    row = latest_ct(scene)
    station, uids = row["station_aet"], [uid for uid, _, _ in row["instances"]]
    day = row["received_utc"][:10].replace("-", "")
    transaction = f"2.999.9.{scene.entities[station][0].split('.')[-1]}.{day}.{scene.chance(1000, 9999)}"
    listed = [[(0x00081150, "UI", CT), (0x00081155, "UI", uid)] for uid in uids]
    scene.listen("HV_PACS")
    at = clock.text([clock.seconds(row["received_utc"]) + 180])[0]
    talk = scene.call(station, "HV_PACS", at, [(COMMITMENT, (EXPLICIT, IMPLICIT))])
    talk.accept()
    proof = [talk.ask(0x0130, 1, COMMITMENT, data_set([(0x00081195, "UI", transaction), (0x00081199, "SQ", listed)]),
                      RequestedSOPInstanceUID=COMMITMENT_INSTANCE, ActionTypeID=1),
             talk.reply(0x0130, 1, COMMITMENT, AffectedSOPInstanceUID=COMMITMENT_INSTANCE, ActionTypeID=1)]
    talk.release()
    later = talk.connection.now + scene.chance(20, 70) * 1_000_000 + scene.chance(0, 999_999)
    # The archive calls back: it proposes to be the SCP although it's the requestor (PS3.7 D.3.3.4).
    back = scene.call("HV_PACS", station, later, [(COMMITMENT, (EXPLICIT, IMPLICIT))], roles=[ul.Role(COMMITMENT, 0, 1)])
    back.accept()
    proof += [back.ask(0x0100, 1, COMMITMENT, data_set([(0x00080054, "AE", "HV_PACS"), (0x00081195, "UI", transaction),
                                                     (0x00081199, "SQ", listed)]),
                       AffectedSOPInstanceUID=COMMITMENT_INSTANCE, EventTypeID=1),
              back.reply(0x0100, 1, COMMITMENT, AffectedSOPInstanceUID=COMMITMENT_INSTANCE, EventTypeID=1)]
    back.release()
    return {"frames": proof, "filter": showing(0x0130, 0x8130, 0x0100, 0x8100),
            "facts": {**known_by(row), "transaction_uid": transaction, "sop_uids": uids}}


# --- Case 17

@captured("C17", """Emergency CT, Sunday night: "The worklist doesn't load, I typed the patient in by hand. And the step is
    not reported either." """)
def _ct_mwl(scene):
    from coursekit.hospital.incidents import MPPS_REFUSED, WORKLIST_REFUSED
    case = story.case_17(scene.seed)
    request = ul.decode(artefacts.associate_rq(scene.seed))         # the very bytes of the trace hvmwl.trc
    step = ul.AssociateRequest(request.called, request.calling, (ul.Context(1, MPPS, (EXPLICIT, IMPLICIT)),),
                               request.user_information)
    scene.listen("HV_MWL")
    proof = []
    for seconds, pdu in ((WORKLIST_REFUSED, request), (MPPS_REFUSED, step)):
        talk = scene.call(case["station_aet"], "HV_MWL", clock.text([seconds])[0], (), request=pdu)
        proof.append(talk.reject(1, 1, 3))
    return {"fault": "association rejected: calling AE title not recognized", "layer": "association", "cause_at": "HV_MWL",
            "frames": proof, "filter": "dicom.assoc.reject.result == 1 && dicom.assoc.reject.source == 1 && "
                                       "dicom.assoc.reject.reason == 3",
            "facts": {"station_aet": case["station_aet"], "former_aet": case["former_aet"], "called_aet": "HV_MWL",
                      "worklist_refused_utc": clock.text([WORKLIST_REFUSED])[0],
                      "mpps_refused_utc": clock.text([MPPS_REFUSED])[0]}}


@captured("C17", "The images of Sunday night did reach the archive. Under which name, and from which AE title?")
def _ct_store(scene):
    case = story.case_17(scene.seed)
    file = artefacts.dicom_file(scene.seed)
    meta = 144 + int.from_bytes(file[140:144], "little")            # preamble, DICM, group length, the rest of the group
    data, name = file[meta:], file[132:meta]
    start = name.index(b"\x02\x00\x03\x00UI") + 8
    uid = name[start:start + name[start - 2]].rstrip(b"\0").decode()
    scene.listen("HV_PACS")
    talk = scene.call(case["station_aet"], "HV_PACS", "2025-03-30 01:44:57", [(CT, (EXPLICIT, IMPLICIT))])
    talk.accept()
    proof = talk.store(1, CT, uid, data)
    talk.release()
    return {"frames": proof, "filter": showing(0x0001, 0x8001),
            "facts": {key: case[key] for key in ("station_aet", "study_uid", "typed_id", "typed_name")} | {"sop_uid": uid}}


# --- the association is refused

@captured("D2-01", "The new viewing station in Emergency: 'Association rejected'. The vendor says that his side is right.")
def _called_aet(scene):
    scene.listen("HV_PACS")
    proof = []
    for at in ("2025-04-03 08:20:41", "2025-04-03 08:21:15"):
        talk = scene.call("WS_ED1", "HV_PACS", at, [(VERIFICATION, (IMPLICIT,))], called="HVPACS")
        proof.append(talk.reject(1, 1, 7))
    talk = scene.call("WS_CH1", "HV_PACS", "2025-04-03 08:21:40", [(VERIFICATION, (IMPLICIT,))])
    talk.accept()
    talk.echo()
    talk.release()
    return {"fault": "association rejected: called AE title not recognized", "layer": "association", "cause_at": "WS_ED1",
            "frames": proof, "filter": "dicom.assoc.reject.result == 1 && dicom.assoc.reject.source == 1 && "
                                       "dicom.assoc.reject.reason == 7",
            "facts": {"calling_aet": "WS_ED1", "called_aet": "HVPACS", "right_aet": "HV_PACS"}}


MOST_ASSOCIATIONS = 12


@captured("D2-02", """"Sending to PACS sometimes fails in the morning. Never when you stand beside it." One hour of the archive's
    network card, Friday.""")
def _local_limit(scene):
    scene.listen("HV_PACS")
    hour = clock.seconds("2025-04-04 05:00:00") * 1_000_000         # 07:00 on the wall; the shift changes at 07:30
    minute = 60_000_000
    calls = []                                                      # (start, caller, how long it stays)
    senders = ("CT2", "DX_CH1", "CR_ER1", "MR1", "US_ECHO1", "CTER01", "DX_CH1", "RF1", "MG1", "NM1")
    at = hour + 20_000_000
    while at < hour + 58 * minute:
        calls.append((at, senders[scene.chance(0, 9)], scene.chance(2, 9) * 1_000_000))
        busy = hour + 28 * minute < at < hour + 39 * minute
        at += scene.chance(*((25, 50) if busy else (70, 170))) * 1_000_000 + scene.chance(0, 999_999)
    for place in range(MOST_ASSOCIATIONS + 3):                      # each viewer opens five associations at log-in and keeps them
        calls.append((hour + 29 * minute + (place * 9 + scene.chance(0, 8)) * 1_000_000 + scene.chance(0, 999_999),
                      ("WS_CH1", "WS_MG1", "WS_ED1")[place % 3], scene.chance(380, 470) * 1_000_000))
    proof, ends, refused = [], [], []
    for at, caller, stay in sorted(calls):
        ends = [end for end in ends if end > at]
        viewer = caller.startswith("WS_")
        talk = scene.call(caller, "HV_PACS", at, [(VERIFICATION, (IMPLICIT,)), (STUDY_ROOT_FIND, (IMPLICIT,))][viewer:])
        if len(ends) >= MOST_ASSOCIATIONS:
            proof.append(talk.reject(2, 3, 2))
            refused.append(caller)
            continue
        talk.accept()
        if not viewer:
            talk.echo()
        talk.connection.think(stay)
        talk.release()
        ends.append(talk.connection.now)
    return {"fault": "association rejected: local limit exceeded", "layer": "association", "cause_at": "HV_PACS", "frames": proof,
            "filter": "dicom.assoc.reject.result == 2 && dicom.assoc.reject.source == 3 && dicom.assoc.reject.reason == 2",
            "facts": {"limit": MOST_ASSOCIATIONS, "refused": refused, "from_utc": "2025-04-04 05:00:00"}}


@captured("D2-03", "The wound camera's new export program cannot reach the archive; its old one could.")
def _application_context(scene):
    scene.listen("HV_PACS")
    wrong = "1.2.840.10008.3.1.1.2"
    talk = scene.call("XC_WOUND", "HV_PACS", "2025-04-02 11:47:03", [(PHOTOGRAPH, (EXPLICIT, IMPLICIT))], application=wrong)
    proof = [talk.reject(1, 1, 2)]
    return {"fault": "association rejected: application context name not supported", "layer": "association",
            "cause_at": "XC_WOUND", "frames": proof,
            "filter": "dicom.assoc.reject.result == 1 && dicom.assoc.reject.source == 1 && dicom.assoc.reject.reason == 2",
            "facts": {"calling_aet": "XC_WOUND", "application_context": wrong}}


@captured("D2-04", "The OCT console says 'connected', then 'no images sent', and no more.")
def _abstract_syntax(scene):
    scene.listen("HV_ROUTER")
    talk = scene.call("OCT1", "HV_ROUTER", "2025-03-20 09:24:12", [(OCT, (EXPLICIT, IMPLICIT)), (OCT_PROCESSING, (EXPLICIT,))])
    proof = [talk.accept(results={1: 3, 3: 3})]
    talk.release()
    return {"fault": "all presentation contexts rejected: abstract syntax not supported", "layer": "association",
            "cause_at": "HV_ROUTER", "frames": proof, "filter": "dicom.pctx.result == 3",
            "facts": {"calling_aet": "OCT1", "abstract_syntaxes": [OCT, OCT_PROCESSING], "context_results": [3, 3]}}


@captured("D2-05", "Mammograms arrive at the reading station, the tomosynthesis of the same patient does not.")
def _mg_ctx(scene):
    scene.listen("WS_MG1")
    row = exam_of(scene, "P2", "2025-03-19 11:05:33")
    uid = object_uids(row)[0]
    flat = scene.call("MG1", "WS_MG1", "2025-03-19 10:31:08", [(MG, (EXPLICIT, IMPLICIT))])
    flat.accept()
    flat.store(1, MG, uid, data_set(image_data(scene, row, MG, uid, 1, 96)))
    flat.release()
    depth = scene.call("MG1", "WS_MG1", "2025-03-19 10:31:22", [(TOMOSYNTHESIS, (JPEG_LOSSLESS,))])
    proof = [depth.accept()]
    depth.release()
    return {"fault": "all presentation contexts rejected: transfer syntaxes not supported", "layer": "association",
            "cause_at": "WS_MG1", "frames": proof, "filter": "dicom.pctx.result == 4",
            "facts": {**known_by(row), "calling_aet": "MG1", "abstract_syntaxes": [TOMOSYNTHESIS], "context_results": [4],
                      "transfer_syntax": JPEG_LOSSLESS}}


@captured("D2-06", "Queries from the new viewing station to the neutral archive end at once. 'It connects, I saw it.'")
def _accept_abort(scene):
    scene.listen("HV_VNA")
    talk = scene.call("WS_ED1", "HV_VNA", "2025-04-03 09:02:55", [(VERIFICATION, (IMPLICIT,)), (STUDY_ROOT_FIND, (IMPLICIT,))])
    talk.accept()
    talk.ask(0x30, 1, VERIFICATION)
    proof = [talk.abort(SERVER, 0, 0)]
    return {"fault": "association accepted, then aborted by the application", "layer": "association", "cause_at": "HV_VNA",
            "frames": proof, "filter": "dicom.assoc.abort.source == 0",
            "facts": {"calling_aet": "WS_ED1", "called_aet": "HV_VNA", "abort": [0, 0]}}


# --- the operation fails

def _failing_store(scene, station, server, sop_class, role, start, status, at, comment=None, offending=None, side=64, **image):
    """A C-STORE that is answered with `status`; returns its frame and the facts."""
    row = exam_of(scene, role, start)
    uid = object_uids(row)[0]
    more = {"ErrorComment": comment} if comment else {}
    if offending:
        more["OffendingElement"] = [(offending >> 16, offending & 0xFFFF)]
    scene.listen(server)
    talk = scene.call(station, server, at, [(sop_class, (EXPLICIT, IMPLICIT))])
    talk.accept()
    _, answer = talk.store(1, sop_class, uid, data_set(image_data(scene, row, sop_class, uid, 1, side, **image)), status, **more)
    talk.release()
    return {"layer": "dimse", "frames": [answer], "filter": showing(status=status),
            "facts": {**known_by(row), "sop_uid": uid, "status": f"{status:04X}", "error_comment": comment}}


@captured("D2-07", "The cath lab's runs stay in the queue of the angiography unit. Restarting it has not helped.")
def _status_a700(scene):
    told = _failing_store(scene, "XA_CATH1", "HV_ROUTER", XA, "P3", "2025-03-20 09:14:20", 0xA700, "2025-03-20 08:40:19",
                          "Spool volume full")
    return {"fault": "C-STORE refused: out of resources", "cause_at": "HV_ROUTER", **told}


@captured("D2-08", "The wound camera's photographs are 'rejected by server' since its update.")
def _status_a900(scene):
    told = _failing_store(scene, "XC_WOUND", "HV_PACS", PHOTOGRAPH, "P10", "2025-04-01 11:30:00", 0xA900, "2025-04-01 09:35:40",
                          "SOP Class UIDs differ", 0x00080016, named_class=SECONDARY_CAPTURE)
    return {"fault": "C-STORE failed: data set does not match SOP class", "cause_at": "XC_WOUND", **told,
            "facts": {**told["facts"], "command_class": PHOTOGRAPH, "data_set_class": SECONDARY_CAPTURE}}


@captured("D2-09", "Panoramic images from the dental clinic: sent three times, never there.")
def _status_c000(scene):
    told = _failing_store(scene, "PX_DENT1", "HV_PACS", DX, "P8", "2025-03-27 09:02:30", 0xC000, "2025-03-27 08:04:11",
                          "Study Instance UID missing", 0x0020000D, without=(0x0020000D,))
    return {"fault": "C-STORE failed: cannot understand", "cause_at": "PX_DENT1", **told}


@captured("D2-10", "The plate reader shows a yellow triangle for each image of this baby. Are they in the archive or not?")
def _status_b000(scene):
    told = _failing_store(scene, "CR_ER1", "HV_PACS", CR, "P6 baby", "2025-04-02 05:22:16", 0xB000, "2025-04-02 03:36:04",
                          "Patient name coerced", 0x00100010)
    return {"fault": "C-STORE warning: coercion of data elements", "cause_at": None, **told}


@captured("D2-11", "The OCT pullbacks of Thursday are accepted by the router's network test and refused when sent.")
def _status_0122(scene):
    told = _failing_store(scene, "OCT1", "HV_ROUTER", OCT, "P3", "2025-03-20 10:06:47", 0x0122, "2025-03-20 09:26:02",
                          "No route for SOP class")
    return {"fault": "C-STORE refused: SOP class not supported", "cause_at": "HV_ROUTER", **told}


@captured("D2-12", "The new viewing station finds every study and opens none.")
def _move_unknown(scene):
    row = latest_ct(scene)
    scene.listen("HV_PACS")
    talk = scene.call("WS_ED1", "HV_PACS", "2025-04-07 05:03:12", [(STUDY_ROOT_FIND, (IMPLICIT,)), (STUDY_ROOT_MOVE, (IMPLICIT,))])
    talk.accept()
    found = [(0x00080052, "CS", "STUDY"), (0x0020000D, "UI", row["study_uid"])]
    talk.ask(0x20, 1, STUDY_ROOT_FIND, data_set(found, implicit=True), Priority=0)
    talk.reply(0x20, 1, STUDY_ROOT_FIND, 0xFF00, data_set([found[0], (0x00080054, "AE", "HV_PACS"), found[1]], implicit=True))
    talk.reply(0x20, 1, STUDY_ROOT_FIND)
    talk.ask(0x21, 3, STUDY_ROOT_MOVE, data_set(found, implicit=True), Priority=0, MoveDestination="WS_ED01")
    proof = [talk.reply(0x21, 3, STUDY_ROOT_MOVE, 0xA801, ErrorComment="Move destination unknown")]
    talk.release()
    return {"fault": "C-MOVE refused: move destination unknown", "layer": "dimse", "cause_at": "WS_ED1", "frames": proof,
            "filter": showing(status=0xA801),
            "facts": {**known_by(row), "destination": "WS_ED01", "right_aet": "WS_ED1", "status": "A801"}}


# --- the connection fails

@captured("D2-13", "The echo machine's transfer hangs for half a minute, then it says 'connection closed by peer'.")
def _artim(scene):
    scene.listen("HV_PACS")
    connection = scene.connect("US_ECHO1", "HV_PACS", "2025-04-02 12:15:37")
    connection.open()
    connection.think(30_000_000)                    # the archive's ARTIM timer (PS3.8 9.1.2, Table 9-10: AA-2)
    proof = [connection.segment(SERVER, flags=FIN | ACK)]
    connection.segment(CLIENT)
    connection.think(7_400_000)
    uid, version = scene.implementation("US_ECHO1")
    request = ul.AssociateRequest("HV_PACS", "US_ECHO1", (ul.Context(1, ULTRASOUND, (EXPLICIT,)),), (
        ul.MaximumLength(16384), ul.ImplementationClass(uid), ul.ImplementationVersion(version)))
    connection.send(CLIENT, request.encode())
    connection.segment(SERVER, flags=RST, seq=connection.ends[SERVER].seq)
    return {"fault": "no association request before the ARTIM timer ran out", "layer": "association", "cause_at": "US_ECHO1",
            "frames": proof, "filter": f"tcp.flags.fin == 1 && tcp.srcport == {connection.ends[SERVER].port}",
            "facts": {"station_aet": "US_ECHO1", "timer_s": 30}}


@captured("D2-14", "PET/CT: 'connection reset by peer' in the middle of a series, now and then, since the security upgrade.")
def _ids_rst(scene):
    row = exam_of(scene, "P5", "2025-03-26 08:55:18")
    uids = object_uids(row, 2)
    scene.listen("HV_PACS")
    talk = scene.call("PETCT1", "HV_PACS", "2025-03-26 08:41:27", [(PET, (EXPLICIT, IMPLICIT))])
    talk.accept()
    talk.store(1, PET, uids[0], data_set(image_data(scene, row, PET, uids[0], 1, 128)))
    data = data_set(image_data(scene, row, PET, uids[1], 2, 128))
    talk.connection.think(900)
    writes = talk.pdus(CLIENT, 1, {"AffectedSOPClassUID": PET, "CommandField": 1, "MessageID": 2, "Priority": 0,
                                   "AffectedSOPInstanceUID": uids[1]}, data)
    connection, ids = talk.connection, scene.host("IDS")
    cut = len(writes[1]) * 3 // 5
    connection.send(CLIENT, writes[0], writes[1][:cut - cut % connection.mss])
    proof = [connection.segment(side, flags=RST, host=ids, time=connection.now + delay)
             for side, delay in ((CLIENT, 210), (SERVER, 214))]
    connection.now = proof[-1].time
    talk.outcome = "reset"
    return {"fault": "connection reset by a third party in the middle of a data set", "layer": "tcp", "cause_at": "IDS",
            "frames": proof, "filter": "tcp.flags.reset == 1",
            "facts": {**known_by(row), "sop_uid": uids[1], "forged_ttl": scene.tap.ttl(ids),
                      "ttl": {"PETCT1": scene.tap.ttl(scene.host("PETCT1")), "HV_PACS": scene.tap.ttl(scene.host("HV_PACS"))}}}


@captured("D2-15", "Sometimes the MR does not send: the first images go, the rest after lunch do not, then it works again.")
def _mr_idle(scene):
    row = exam_of(scene, "P9", "2025-03-18 15:05:08")
    uids = object_uids(row, 2)
    scene.listen("MR1")
    # It is the router of this subnet too: what it says itself has not passed a router, and comes from the router's hardware address.
    firewall = scene.host("FIREWALL")._replace(ip="10.20.30.1", mac=scene.tap.mac(scene.host("HV_PACS")), ttl=255)
    talk = scene.call("MR1", "HV_PACS", "2025-03-18 14:31:02", [(MR, (EXPLICIT, IMPLICIT))])
    talk.accept()
    talk.store(1, MR, uids[0], data_set(image_data(scene, row, MR, uids[0], 1, 64)))
    idle = scene.chance(400, 560)
    talk.connection.think(idle * 1_000_000)
    connection = talk.connection
    second = data_set(image_data(scene, row, MR, uids[1], 2, 64))
    command, data = talk.pdus(CLIENT, 1, {"AffectedSOPClassUID": MR, "CommandField": 1, "MessageID": 2, "Priority": 0,
                                          "AffectedSOPInstanceUID": uids[1]}, second)
    asked = connection.segment(CLIENT, command, ACK | PSH)
    proof = [connection.segment(SERVER, flags=RST | ACK, host=firewall, ack=connection.ends[CLIENT].seq,
                                time=asked.time + scene.chance(160, 320))]
    talk.outcome = "reset"
    again = scene.call("MR1", "HV_PACS", proof[0].time + 10_000_000, [(MR, (EXPLICIT, IMPLICIT))])
    again.accept()
    again.store(1, MR, uids[1], second)
    again.release()
    return {"fault": "idle connection forgotten by the firewall", "layer": "tcp", "cause_at": "FIREWALL", "frames": proof,
            "filter": "tcp.flags.reset == 1", "facts": {**known_by(row), "sop_uids": uids, "idle_s": idle, "limit_s": 300}}


@captured("D2-16", "The wound clinic's test button is green, but no photograph has come since the clinic got its new line.")
def _mtu(scene):
    row = exam_of(scene, "P10", "2025-04-04 11:42:00")
    uid = object_uids(row)[0]
    scene.listen("XC_WOUND")
    talk = scene.call("XC_WOUND", "HV_PACS", "2025-04-04 09:44:10", [(VERIFICATION, (IMPLICIT,))])
    talk.accept()
    talk.echo()
    talk.release()
    talk = scene.call("XC_WOUND", "HV_PACS", "2025-04-04 09:44:31", [(PHOTOGRAPH, (EXPLICIT, IMPLICIT))])
    talk.accept()
    connection = talk.connection
    command, data = talk.pdus(CLIENT, 1, {"AffectedSOPClassUID": PHOTOGRAPH, "CommandField": 1, "MessageID": 1, "Priority": 0,
                                          "AffectedSOPInstanceUID": uid}, data_set(image_data(scene, row, PHOTOGRAPH, uid, 1, 128)))
    connection.think(800)
    connection.send(CLIENT, command)
    connection.think(scene.host("HV_PACS").delayed_ack + 900)       # the acknowledgement of the command comes in this time
    parts = [data[at:at + connection.mss] for at in range(0, 10 * connection.mss, connection.mss)]
    first = connection.ends[CLIENT].seq
    for part in parts:                                              # the initial window; none of these arrives
        connection.segment(CLIENT, part)
    proof, wait = [], 320_000
    for _ in range(6):                                              # RFC 6298: the wait doubles
        connection.now += wait
        connection.last = CLIENT
        proof.append(connection.segment(CLIENT, parts[0], seq=first))
        wait *= 2
    connection.now += wait
    connection.reset(CLIENT)
    talk.outcome = "reset"
    return {"fault": "full-sized packets are lost on the way (path MTU black hole)", "layer": "ip", "cause_at": "network",
            "frames": proof, "filter": "tcp.analysis.retransmission",
            "facts": {**known_by(row), "sop_uid": uid, "segment_bytes": connection.mss, "retransmissions": len(proof)}}


@captured("D2-17", "The PET console says 'aborted by remote host' as soon as the first large image goes.")
def _max_pdu(scene):
    row = exam_of(scene, "P5", "2025-03-26 08:55:18")
    uid = object_uids(row, 3)[2]
    scene.listen("HV_PACS")
    talk = scene.call("PETCT1", "HV_PACS", "2025-03-26 08:43:50", [(PET, (EXPLICIT, IMPLICIT))], maximum=65536)
    talk.accept(maximum=16384)
    talk.limits[SERVER] = 65536                     # the sender cuts by its own limit instead of the receiver's
    writes = talk.pdus(CLIENT, 1, {"AffectedSOPClassUID": PET, "CommandField": 1, "MessageID": 1, "Priority": 0,
                                   "AffectedSOPInstanceUID": uid}, data_set(image_data(scene, row, PET, uid, 3, 128)))
    talk.connection.think(1400)
    _, last = talk.connection.send(CLIENT, *writes)
    proof = [last, talk.abort(SERVER, 2, 6)]
    return {"fault": "P-DATA-TF longer than the receiver's maximum length", "layer": "association", "cause_at": "PETCT1",
            "frames": proof, "filter": "dicom.pdu.len > 16384 || dicom.assoc.abort.source == 2",
            "facts": {**known_by(row), "sop_uid": uid, "maximum": 16384, "abort": [2, 6]}}


@captured("D2-18", "Obstetrics: the ultrasound loses the archive several times a day, and the label printer prints odd pages.")
def _us_dup(scene):
    row = exam_of(scene, "P4a", "2025-03-25 13:10:09")
    uids = object_uids(row, 2)
    scene.listen("US_OB1")
    device, printer, tap = scene.host("US_OB1"), scene.host("PRINTER"), scene.tap
    router = tap.mac(scene.host("HV_PACS"))
    nobody, own_router = "00:00:00:00:00:00", "10.20.30.1"

    def resolve(at, *answers):
        tap.arp(at, 1, router, own_router, nobody, device.ip)
        proof.extend(tap.arp(at + scene.chance(90, 160) + 240 * place, 2, host.mac, device.ip, router, own_router)
                     for place, host in enumerate(answers))

    proof = []
    start = clock.seconds("2025-03-25 12:41:20") * 1_000_000
    resolve(start, printer, device)                                 # who answers last is believed: the ultrasound
    talk = scene.call("US_OB1", "HV_PACS", start + 2_400_000, [(ULTRASOUND, (EXPLICIT, IMPLICIT))])
    talk.accept()
    talk.store(1, ULTRASOUND, uids[0], data_set(image_data(scene, row, ULTRASOUND, uids[0], 1, 96)))
    connection = talk.connection
    resolve(connection.now + 300_000, device, printer)
    tap.cached[device.ip] = printer.mac                             # now it's the printer
    connection.think(900_000)
    second = data_set(image_data(scene, row, ULTRASOUND, uids[1], 2, 96))
    command, _ = talk.pdus(CLIENT, 1, {"AffectedSOPClassUID": ULTRASOUND, "CommandField": 1, "MessageID": 2, "Priority": 0,
                                       "AffectedSOPInstanceUID": uids[1]}, second)
    first = connection.ends[CLIENT].seq
    connection.segment(CLIENT, command, ACK | PSH)
    connection.now += scene.host("HV_PACS").delayed_ack
    connection.segment(SERVER)                                      # reaches the printer, which knows of no such connection
    proof.append(connection.segment(CLIENT, flags=RST, host=printer))
    connection.now += 320_000
    connection.last = CLIENT
    connection.segment(CLIENT, command, ACK | PSH, seq=first)
    connection.segment(SERVER, flags=RST)                           # the archive has none any more; the printer gets this
    talk.outcome = "reset"
    resolve(connection.now + 55_000_000, printer, device)
    del tap.cached[device.ip]
    again = scene.call("US_OB1", "HV_PACS", connection.now + 61_000_000, [(ULTRASOUND, (EXPLICIT, IMPLICIT))])
    again.accept()
    again.store(1, ULTRASOUND, uids[1], second)
    again.release()
    return {"fault": "two hosts use one IP address", "layer": "ethernet", "cause_at": "PRINTER", "frames": proof,
            "filter": f"(arp.opcode == 2 && arp.src.proto_ipv4 == {device.ip}) || "
                      f"(tcp.flags.reset == 1 && eth.src == {printer.mac})",
            "facts": {**known_by(row), "sop_uids": uids, "ip": device.ip, "macs": [device.mac, printer.mac]}}


def _client_hello(scene, server_name):
    """A TLS record with a ClientHello that offers TLS 1.3 and 1.2 (RFC 8446 4.1.2, RFC 5246 7.4.1.2)."""
    def extension(kind, content):
        return kind.to_bytes(2, "big") + len(content).to_bytes(2, "big") + content

    def listed(content, size=2):
        return len(content).to_bytes(size, "big") + content

    noise = b"".join(scene.chance(0, 0xFFFF).to_bytes(2, "big") for _ in range(48))
    suites = bytes.fromhex("1301 1302 1303 c02b c02f c02c c030")
    extensions = b"".join((
        extension(0x0000, listed(b"\0" + listed(server_name.encode("ascii")))),             # server_name
        extension(0x000A, listed(bytes.fromhex("001d 0017"))),                              # supported_groups: x25519, secp256r1
        extension(0x000B, b"\1\0"),                                                         # ec_point_formats
        extension(0x000D, listed(bytes.fromhex("0403 0804 0401"))),                         # signature_algorithms
        extension(0x002B, listed(bytes.fromhex("0304 0303"), 1)),                           # supported_versions
        extension(0x0033, listed(bytes.fromhex("001d") + listed(noise[64:]))),              # key_share
    ))
    hello = b"\3\3" + noise[:32] + listed(noise[32:64], 1) + listed(suites) + b"\1\0" + listed(extensions)
    return b"\x16\3\1" + listed(b"\1" + listed(hello, 3))


@captured("D2-19", "'Secure DICOM' is switched on at the new viewing station as security asked; now nothing connects.")
def _tls(scene):
    scene.listen("HV_PACS")
    proof = []
    for at in ("2025-04-03 13:30:02", "2025-04-03 13:30:09"):
        connection = scene.connect("WS_ED1", "HV_PACS", at)
        connection.open()
        connection.think(scene.chance(200, 700))
        proof += connection.send(CLIENT, _client_hello(scene, "hv-pacs.hvgh.example"))
        connection.think(scene.chance(300, 900))
        # Not the type of any PDU: the archive aborts before there is an association (PS3.8 Table 9-10: AA-1).
        connection.send(SERVER, ul.Abort(0, 0).encode())
        connection.close(CLIENT)
    return {"fault": "TLS spoken to a port without TLS", "layer": "tls", "cause_at": "WS_ED1", "frames": proof,
            "filter": "tls.handshake.type == 1", "facts": {"station_aet": "WS_ED1", "port": 11112, "secure_port": 2762}}


@captured("D2-20", "Bitewings take minutes to send, on a 100 Mbit/s line that the network people call perfect.")
def _duplex(scene):
    row = exam_of(scene, "P8", "2025-03-27 09:15:12")
    uid = object_uids(row)[0]
    scene.listen("IO_DENT1")
    talk = scene.call("IO_DENT1", "HV_PACS", "2025-03-27 08:20:05", [(INTRA_ORAL, (EXPLICIT, IMPLICIT))])
    talk.accept()
    connection = talk.connection
    command, data = talk.pdus(CLIENT, 1, {"AffectedSOPClassUID": INTRA_ORAL, "CommandField": 1, "MessageID": 1, "Priority": 0,
                                          "AffectedSOPInstanceUID": uid}, data_set(image_data(scene, row, INTRA_ORAL, uid, 1, 192)))
    connection.think(900)
    connection.send(CLIENT, command)
    connection.think(scene.host("HV_PACS").delayed_ack + 300)
    proof, sent = _through_collisions(scene, connection, data)
    talk.message = 1
    talk.reply(0x01, 1, INTRA_ORAL, think=31_000, AffectedSOPInstanceUID=uid)
    talk.release()
    return {"fault": "many segments lost: a storm of retransmissions, as of a duplex mismatch", "layer": "ethernet",
            "cause_at": "network", "frames": proof, "filter": "tcp.analysis.retransmission",
            "facts": {**known_by(row), "sop_uid": uid, "retransmissions": len(proof), "segments": sent}}


def _through_collisions(scene, connection, data):
    """Send `data` over a line that loses one segment in four of what goes out in a burst (late collisions).

    The receiver acknowledges what it has; after three such repetitions, or when its time is up, the sender repeats
    the segment that is missing (RFC 5681 3.2, RFC 6298). Returns the repeated frames, and how many segments there were.
    """
    base, mss = connection.ends[CLIENT].seq, connection.mss
    parts = [data[at:at + mss] for at in range(0, len(data), mss)]
    starts = [base + at for at in range(0, len(data), mss)]
    connection.ends[CLIENT].seq = base + len(data)
    ends = starts[1:] + [base + len(data)]
    repeated, have, place, window = [], set(), 0, 2
    wanted = 0                                      # the first segment that the receiver does not have

    def send(which):
        last = which == len(parts) - 1
        return connection.segment(CLIENT, parts[which], ACK | PSH * last, seq=starts[which])

    while wanted < len(parts):
        burst = list(range(place, min(place + window, len(parts))))
        place += len(burst)
        lost = {which for which in burst if scene.chance(0, 3) == 0}
        heard = []                                  # (when the sniffer sees the acknowledgement, which it asks for)
        for which in burst:
            frame = send(which)
            if which in lost:
                continue
            have.add(which)
            while wanted in have:
                wanted += 1
            heard.append((frame.time + 2 * connection.delays[SERVER] + scene.chance(5, 20), wanted))
        for when, asked in heard:
            connection.segment(SERVER, ack=base if asked == 0 else ends[asked - 1], time=when)
            connection.now, connection.last = max(connection.now, when), SERVER
        tries = 0
        while wanted < place:                       # something of this burst is missing
            # The first to ask for a segment is no duplicate, unless it was asked for before this burst.
            duplicates = sum(asked == wanted for _, asked in heard) - (wanted > burst[0])
            connection.now += 0 if tries == 0 and duplicates >= 3 else 300_000 << min(tries, 4)
            connection.last = CLIENT
            repeated.append(send(wanted))
            tries += 1
            if scene.chance(0, 4) == 0 and tries < 4:
                continue                            # lost as well
            have.add(wanted)
            while wanted in have:
                wanted += 1
            connection.segment(SERVER, ack=ends[wanted - 1])
            heard, tries = [], 0
        window = 2 if lost else min(window + 1, 6)
    return repeated, len(parts)


@captured("D2-21", "Mammograms crawl into the archive in fits and starts, mornings only. The network has headroom, we are told.")
def _zero_window(scene):
    row = exam_of(scene, "P2", "2025-03-19 11:05:33")
    uid = object_uids(row, 2)[1]
    scene.listen("HV_PACS")
    pacs = scene.host("HV_PACS")
    scene.hosts["HV_PACS"] = pacs._replace(window=65_535)
    talk = scene.call("MG1", "HV_PACS", "2025-03-19 10:30:02", [(MG, (EXPLICIT, IMPLICIT))])
    talk.accept()
    command, data = talk.pdus(CLIENT, 1, {"AffectedSOPClassUID": MG, "CommandField": 1, "MessageID": 1, "Priority": 0,
                                          "AffectedSOPInstanceUID": uid}, data_set(image_data(scene, row, MG, uid, 2, 208)))
    connection = talk.connection
    connection.think(900)
    connection.send(CLIENT, command)
    connection.think(pacs.delayed_ack + 300)
    room, mss = 43 * connection.mss, connection.mss          # the archive reads nothing more
    held, rest = data[:room], data[room:]
    for at in range(0, room, 2 * mss):
        for part in (held[at:at + mss], held[at + mss:at + 2 * mss]):
            if part:
                connection.segment(CLIENT, part)
        connection.segment(SERVER, window=room - min(room, at + 2 * mss))
    proof, wait = [], 300_000
    stalled = connection.now
    for _ in range(6):                                              # RFC 9293 3.8.6.1: the sender asks, ever more rarely
        connection.now += wait
        connection.last = CLIENT
        connection.segment(CLIENT, rest[:1], seq=connection.ends[CLIENT].seq)
        proof.append(connection.segment(SERVER, window=0))
        wait *= 2
    connection.think(scene.chance(1_000_000, 3_000_000))
    opened = connection.segment(SERVER, window=65_535)
    connection.send(CLIENT, rest)
    talk.message = 1
    talk.reply(0x01, 1, MG, think=40_000, AffectedSOPInstanceUID=uid)
    talk.release()
    return {"fault": "the receiver's window stays at zero: it does not read", "layer": "tcp", "cause_at": "HV_PACS",
            "frames": proof, "filter": "tcp.analysis.zero_window && tcp.analysis.zero_window_probe_ack",
            "facts": {**known_by(row), "sop_uid": uid, "stalled_ms": (opened.time - stalled) // 1000}}


@captured("D2-22", "The new viewing station cannot reach the archive at all. 'Time-out', after some twenty seconds.")
def _no_answer(scene):
    scene.listen("WS_ED1")
    connection = scene.connect("WS_ED1", "HV_PACS", "2025-04-02 07:11:30", port=7070)
    first = connection.ends[CLIENT].seq
    connection.segment(CLIENT, flags=SYN, options=connection.offer(CLIENT))
    proof, wait = [], 3_000_000
    for _ in range(2):
        connection.now += wait
        proof.append(connection.segment(CLIENT, flags=SYN, seq=first, options=connection.offer(CLIENT)))
        wait *= 2
    return {"fault": "nothing answers on this port: the SYN is dropped", "layer": "tcp", "cause_at": "WS_ED1", "frames": proof,
            "filter": "tcp.analysis.retransmission", "facts": {"station_aet": "WS_ED1", "port": 7070, "right_port": 11112}}


# --- HL7 over MLLP

def _wall(utc):
    """'2025-03-30 05:05:00' (UTC) as an HL7 time of the wall clock, with its offset."""
    seconds = clock.seconds(utc)
    return "".join(dicom_times(clock.text([clock.to_local(seconds)])[0])) + f"+{int(clock.offset(seconds)) // 3600:02d}00"


def _framed(*segments):
    """Segments as a message in its MLLP frame, in the character set that MSH-18 names."""
    charset = "utf-8" if "UNICODE UTF-8" in segments[0] else "latin-1"
    return b"\x0b" + "".join(segment + "\r" for segment in segments).encode(charset) + b"\x1c\r"


def _answer(message, names, utc, code, *more):
    """The acknowledgement of `message` (bytes in its frame) by the second of `names`."""
    header = message[1:message.index(b"\r")].decode("latin-1").split("|")
    trigger = header[8].split("^")[1]
    return _framed(f"MSH|^~\\&|{names[1]}|HVGH|{names[0]}|HVGH|{_wall(utc)}||ACK^{trigger}^ACK|K{header[9]}|P|{header[11]}",
                   f"MSA|{code}|{header[9]}", *more)


def _deliver(scene, connection, message, names, code="AA", more=(), think=None):
    """A message and its acknowledgement: the last frame of each."""
    sent, = connection.send(CLIENT, message)
    connection.think(think or scene.chance(4_000, 30_000))
    utc = clock.text([connection.now // 1_000_000])[0]
    return [sent, *connection.send(SERVER, _answer(message, names, utc, code, *more))]


@captured(None, "Does the interface engine acknowledge the orders of the RIS, and how fast?")
def _mllp(scene):
    from coursekit.hospital.feed import xpn
    from coursekit.hospital.flow import clean_name

    # Before the last 30 days: those are in the feed, message by message.
    columns, rows = scene.h.pacs.rows(
        "SELECT o.pk, o.placer_number, o.accession, o.procedure_code, o.procedure_desc, o.modality, o.study_uid, o.ordered_utc, "
        "o.scheduled_local, p.pid, p.name, p.birth_date, p.sex, i.oid FROM orders o JOIN patient p ON p.pk = o.patient_pk "
        "JOIN issuer i ON i.pk = p.issuer_pk WHERE i.name = 'HVGH' AND o.ordered_utc < '2025-03-06' ORDER BY o.pk DESC LIMIT 3")
    orders = [dict(zip(columns, row)) for row in reversed(rows)]
    scene.listen("HV_ENGINE")
    names = ("RIS", "HV_ENGINE")
    connection = scene.connect(*names, orders[0]["ordered_utc"], port=MLLP_PORT)
    connection.open()
    proof = []
    for order in orders:
        begins = clock.seconds(order["ordered_utc"]) * 1_000_000 + scene.chance(420_000, 690_000)
        connection.think(max(2000, begins - connection.now))
        day, time = dicom_times(order["scheduled_local"])
        birth, number, name = (order["birth_date"] or "").replace("-", ""), order["placer_number"][1:], clean_name(order["name"])
        charset = "UNICODE UTF-8" if any(ord(letter) > 255 for letter in name) else "8859/1"
        proof += _deliver(scene, connection, _framed(
            f"MSH|^~\\&|RIS|HVGH|HV_ENGINE|HVGH|{_wall(order['ordered_utc'])}||ORM^O01|R{order['pk']}NW|P|2.3.1||||||{charset}",
            f"PID|1||{order['pid']}^^^HVGH&{order['oid']}&ISO^MR||{xpn(name.split('=')[0])}||{birth}|{order['sex'] or 'U'}",
            "PV1|1|O",
            f"ORC|NW|P{number}^HIS|F{number}^RIS||SC||1^once^^{day}{time}^^R",
            f"OBR|1|P{number}^HIS|F{number}^RIS|{order['procedure_code']}^{order['procedure_desc']}^99HV" + "|" * 14
            + f"{order['accession']}|RP{number}|SPS{number}||||{order['modality']}|||1^once^^{day}{time}^^R",
            f"ZDS|{order['study_uid']}^HVGH^Application^DICOM",
        ), names)
    connection.think(1_500_000)
    connection.close(CLIENT)
    return {"frames": proof, "filter": "hl7.message.type == \"ORM\" || hl7.message.type == \"ACK\"",
            "facts": {"accessions": [order["accession"] for order in orders],
                      "control_ids": [f"R{order['pk']}NW" for order in orders]}}


@captured("D2-23", "The RIS says that it sent the order three times over; the engine has no trace of it and shows no error.")
def _mllp_no_end(scene):
    from coursekit.hospital.feed import unended

    # The very messages of the feed, which has the second one when it arrived in the end.
    order = unended(scene.h)
    control, names = f"R{order.pk}NW", ("RIS", "HV_ENGINE")
    sent = [message for message in scene.h.feed if names == (message.sender, message.receiver) and message.event == "ORM^O01"]
    place = next(place for place, message in enumerate(sent) if message.control_id == control)
    answers = {message.control_id: message for message in scene.h.feed
               if names == (message.receiver, message.sender) and b"\rMSA|AA|" in message.bytes}
    earlier = next(message for message in reversed(sent[:place]) if not message.quirks and "K" + message.control_id in answers)
    scene.listen("HV_ENGINE")
    connection = scene.connect(*names, earlier.at_utc, port=MLLP_PORT)
    connection.open()
    connection.think(900)
    connection.send(CLIENT, b"\x0b" + earlier.bytes + b"\x1c\r")
    connection.think(1_000_000)
    connection.send(SERVER, b"\x0b" + answers["K" + earlier.control_id].bytes + b"\x1c\r")
    connection.think(2_000_000)
    connection.close(CLIENT)
    proof = []
    for attempt in range(3):
        connection = scene.connect(*names, clock.text([order.ordered + 36 * attempt])[0], port=MLLP_PORT)
        connection.open()
        connection.think(900)
        proof += connection.send(CLIENT, b"\x0b" + sent[place].bytes + b"\r")
        connection.think(30_000_000)                                # the RIS waits for an acknowledgement in vain
        connection.close(CLIENT)
    return {"fault": "an HL7 message without its end block 0x1C", "layer": "mllp", "cause_at": "RIS", "frames": proof,
            "filter": f"tcp.dstport == {MLLP_PORT} && tcp contains \"|{control}|\"",
            "facts": {"control_id": control, "accession": order.accession, "placer_number": order.placer,
                      "ordered_utc": clock.text([order.ordered])[0]}}


@captured("C17", "The emergency record was merged at seven on Sunday morning, yet the archive still shows two patients.")
def _mllp_a40(scene):
    from coursekit.hospital.feed import xpn
    case, at, names = story.case_17(scene.seed), clock.text([story.MERGE_REFUSED])[0], ("HV_ENGINE", "HV_PACS")
    temporary = scene.h.pacs.rows(f"SELECT pk FROM patient WHERE pid = '{case['temporary_id']}'")[1][0][0]
    scene.listen("HV_PACS")
    connection = scene.connect(*names, at, port=MLLP_PORT)
    connection.open()
    connection.think(scene.chance(500, 1500))
    # The very message of the feed, and its answer.
    birth, control = case["birth_date"].replace("-", ""), f"H{temporary}A40"
    message = _framed(
        f"MSH|^~\\&|HV_ENGINE|HVGH|HV_PACS|HVGH|{_wall(at)}||ADT^A40^ADT_A39|{control}|P|2.5.1||||||UNICODE UTF-8",
        f"EVN||{_wall(at)}",
        f"PID|1||{case['patient_id']}^^^HVGH&2.999.1.1&ISO^MR||{xpn(case['patient_name'])}||{birth}|{case['sex']}",
        f"MRG|{case['temporary_id']}^^^^MR")                        # the engine dropped MRG-1.4
    proof = _deliver(scene, connection, message, names, "AE", ("ERR||MRG^1^1^1^4|204^Unknown key identifier^HL70357|E",),
                     think=1_000_000)
    connection.think(400_000)
    connection.close(CLIENT)
    return {"fault": "ADT^A40 refused: unknown key identifier, for MRG-1 names no assigning authority", "layer": "hl7",
            "cause_at": "HV_ENGINE", "frames": proof, "filter": "hl7.message.type == \"ADT\" || hl7.message.type == \"ACK\"",
            "facts": {"temporary_id": case["temporary_id"], "patient_id": case["patient_id"], "merge_refused_utc": at,
                      "control_id": control, "acknowledgement": "AE", "error": "204"}}
