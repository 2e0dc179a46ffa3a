"""What a sniffer saw at the hospital: pcap files of DICOM and HL7 traffic, sound and faulty, each with its truth.

``capture(name, h)`` builds one of ``NAMES``; nothing is captured from a real network. Hosts, ports and AE titles are
those of the archive's table `ae`, patients and objects those of the hospital; times are UTC. Images on the wire are cut
down to identification and a small matrix, except the CT slices, which are complete.
"""

from io import BytesIO
from typing import NamedTuple

from coursekit.errors import CourseError
from coursekit.hospital import clock
from coursekit.hospital.capture_scenes import PLANS
from coursekit.hospital.capture_stage import UNSEEN, WORKLIST, Scene
from coursekit.standards import pcap
from coursekit.standards import upper_layer as ul

NAMES = tuple(PLANS)


class NoSuchCapture(CourseError, KeyError):
    """A name that no capture has."""

    __str__ = Exception.__str__             # a KeyError would put its sentence in quotes


class Capture(NamedTuple):
    """A capture and the truth of it.

    name    : one of NAMES
    ticket  : what the caller said, in the words of the ward
    packets : the pcap file, bytes
    truth   : dict
        fault        : what is wrong, or None
        layer        : where: 'ethernet', 'ip', 'tcp', 'tls', 'association', 'dimse', 'mllp', 'hl7'; None: nothing wrong
        cause_at     : the system to put right; None: nothing to put right
        frames       : 1-based numbers of the frames that prove it (if nothing is wrong: that it went well), ascending
        filter       : a display filter of Wireshark that shows these frames and no others
        at_utc       : when the first of them was seen, 'YYYY-MM-DD HH:MM:SS'
        incident     : 'C17', or 'D2-' and two digits, or None
        hosts        : {IP address: name}
        associations : list of dicts: client, server (names), calling, called (AE titles), outcome, request_frame,
                       answer_frame (None: no answer)
        facts        : dict of identifiers, codes and times that the capture shares with other systems
    """

    name: str
    ticket: str
    packets: bytes
    truth: dict


def capture(name, h):
    """The capture `name` of hospital `h`: a Capture, the same bytes for the same edition.

    Raises NoSuchCapture for a name that is not in NAMES.
    """
    if name not in PLANS:
        raise NoSuchCapture(f"There is no capture {name!r}; there are {', '.join(PLANS)}.")
    plan = PLANS[name]
    scene = Scene(h, name)
    truth = {"fault": None, "layer": None, "cause_at": None, "facts": {}, **plan.build(scene)}
    packets = pcap.write(scene.tap.frames())
    proof = sorted(truth["frames"], key=lambda sent: sent.number)
    truth.update(
        frames=[sent.number for sent in proof], at_utc=clock.text([proof[0].time // 1_000_000])[0], incident=plan.incident,
        hosts=dict(sorted((host.ip, host.name) for host in scene.hosts.values() if host.name not in UNSEEN)),
        associations=[talk.summary() for talk in sorted(scene.talks, key=lambda talk: talk.asked.number)])
    return Capture(name, plan.ticket, packets, truth)


def incidents(h):
    """The incidents that only captures show, 'D2-01' and on: a list of Incident."""
    from coursekit.hospital.incidents import Incident
    from coursekit.hospital.logs import FAULTS
    found = []
    for name, plan in PLANS.items():
        if plan.incident and plan.incident.startswith("D2"):
            truth = capture(name, h).truth
            found.append(Incident(plan.incident, truth["fault"], truth["at_utc"], {"capture": name, **truth["facts"]},
                                  ("capture", "log") if name in FAULTS else ("capture",)))
    return found


def _shown_in(incident):
    return [name for name, plan in PLANS.items()
            if plan.incident and (incident.id == plan.incident or incident.id.startswith(plan.incident + "-"))]


def frames(h, incident):
    """Where `incident` shows: {capture name: frame numbers, 1-based, ascending}, empty if no capture has it."""
    return {name: capture(name, h).truth["frames"] for name in _shown_in(incident)}


def trace(h, incident):
    """What the captures show of `incident`: a list of ``Evidence``.

    Of Case 17 it is read from the PDUs and messages in the packets, and found by the facts' identifiers alone.
    """
    from coursekit.hospital.incidents import Evidence
    found = []
    for name in _shown_in(incident):
        for time, what, ids in _read(name, capture(name, h)):
            # Whose AE title or patient it isn't may be anybody's.
            if all(incident.facts.get(key) == ids[key] for key in ("station_aet", "temporary_id") if key in ids):
                found.append(Evidence(clock.text([time // 1_000_000])[0], what, ids))
    return found


def _read(name, shown):
    """(time in µs, what, ids) of what a capture shows."""
    packets = pcap.packets(shown.packets)
    times = {packet.number: packet.time for packet in packets}
    if shown.truth["incident"] != "C17":
        return [(times[number], "seen", {}) for number in shown.truth["frames"]]
    found = []
    for talk in pcap.connections(packets):
        asked, answered = (stream.data for stream in talk.sent)
        if asked[:1] == b"\x0b":
            fields = {line[:3]: line.split("|") for line in asked[1:].decode("utf-8").split("\r")}
            if b"\rMSA|AE|" in answered:
                found.append((times[talk.sent[1].frame(len(answered))], "merge_refused", {
                    "temporary_id": fields["MRG"][1].split("^")[0], "patient_id": fields["PID"][3].split("^")[0]}))
            continue
        asked, answered = (ul.split(data)[0] for data in (asked, answered))
        request, reply = ul.decode(asked[0]), ul.decode(answered[0])
        ids = {"station_aet": request.calling}
        if isinstance(reply, ul.AssociateReject):
            what = "worklist_refused" if WORKLIST in (context.abstract for context in request.contexts) else "mpps_refused"
            found.append((times[talk.sent[1].frame(len(answered[0]))], what, ids))
            continue
        from pydicom import dcmread
        message = next(message for message in ul.messages(map(ul.decode, asked)) if message.name == "C-STORE-RQ")
        ds = dcmread(BytesIO(message.data), force=True)
        found.append((times[talk.sent[0].frame(sum(map(len, asked[:-1])))], "stored", {
            **ids, "study_uid": str(ds.StudyInstanceUID), "typed_id": ds.PatientID, "typed_name": str(ds.PatientName)}))
    return found
