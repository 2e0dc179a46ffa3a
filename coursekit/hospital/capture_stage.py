"""The stage for network captures: hosts, a sniffer, associations that are played, and the data sets they carry.

``capture_scenes`` plays on it, ``captures`` makes the files.
"""

from coursekit.hospital import bytes as artefacts
from coursekit.hospital import clock, story
from coursekit.hospital.draws import Draws
from coursekit.standards import upper_layer as ul
from coursekit.standards.pcap import CLIENT, SERVER, Connection, Host, Tap

EXPLICIT, IMPLICIT = artefacts.EXPLICIT, artefacts.IMPLICIT
JPEG_LOSSLESS, JPEG_BASELINE = "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.50"
VERIFICATION, WORKLIST, MPPS = "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.31", "1.2.840.10008.3.1.2.3.3"
COMMITMENT, COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1", "1.2.840.10008.1.20.1.1"
STUDY_ROOT_FIND, STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.2"
CT, CR, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.4"
MG, TOMOSYNTHESIS = "1.2.840.10008.5.1.4.1.1.1.2", "1.2.840.10008.5.1.4.1.1.13.1.3"
XA, PET, ULTRASOUND = "1.2.840.10008.5.1.4.1.1.12.1", "1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.6.1"
PHOTOGRAPH, SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.77.1.4", "1.2.840.10008.5.1.4.1.1.7"
INTRA_ORAL, OCT, DX = "1.2.840.10008.5.1.4.1.1.1.3", "1.2.840.10008.5.1.4.1.1.14.1", "1.2.840.10008.5.1.4.1.1.1.1"
OCT_PROCESSING = "1.2.840.10008.5.1.4.1.1.14.2"

MLLP_PORT = 2575
# Hosts without an AE title.
OTHERS = {"HIS": "10.20.20.10", "RIS": "10.20.20.11", "HV_ENGINE": "10.20.20.20", "IDS": "10.20.10.2",
          "FIREWALL": "10.20.10.1", "PRINTER": "10.20.30.65"}
UNSEEN = {"PRINTER", "FIREWALL", "IDS"}                      # they send under another's address
PRINTER_MAC = "02:48:56:aa:00:65"
LINUX = {"HV_PACS", "HV_ROUTER", "HV_MWL", "HV_VNA", "CTER01", "CT_ER", "PETCT1", "US_ECHO1", "HV_ENGINE", "HIS", "RIS"}
AGED = {"MR1", "NM1", "XC_WOUND", "IO_DENT1", "MG1"}         # without window scaling
# Implementation version names (at most 16 characters) where they aren't the scanner's of Case 17.
SOFTWARE = {"HV_PACS": "HVPACS_7.2", "HV_MWL": "HVRIS_5.1", "HV_ROUTER": "HVROUTE_2.0", "HV_VNA": "VNA_11.3",
            "WS_CH1": "READIT_9", "WS_MG1": "READIT_9", "WS_ED1": "READIT_10", "CT2": "HELIO_4.1"}
# Transfer syntaxes that a receiver takes, best first; others take the two uncompressed ones.
TAKES = {"HV_PACS": (EXPLICIT, IMPLICIT, JPEG_LOSSLESS, JPEG_BASELINE), "HV_MWL": (IMPLICIT, EXPLICIT)}


class Scene:
    """A sniffer and the hosts around it, while a capture is played."""

    def __init__(self, h, name):
        self.h, self.seed = h, h.seed
        self.draws, self._pool = Draws(h.seed, f"capture {name}"), iter(())
        self._ports = self.chance(49200, 60000)
        self.entities = {aet: (host, port) for aet, host, port in h.pacs.rows("SELECT aet, host, port FROM ae")[1]}
        self.hosts, self.talks, self.tap = {}, [], None

    def chance(self, low, high):
        """A whole number from low to high, both included."""
        word = next(self._pool, None)
        if word is None:
            self._pool = iter(self.draws.raw(2048).tolist())
            word = next(self._pool)
        return low + (word >> 32) * (high - low + 1) // (1 << 32)

    def listen(self, name):
        """Put the sniffer into the subnet of host `name`."""
        self.tap = Tap(self.host(name).subnet, self.chance)

    def host(self, name):
        if name not in self.hosts:
            ip = OTHERS.get(name) or self.entities[name][0]
            mac = PRINTER_MAC if name == "PRINTER" else "02:48:56:" + bytes(int(part) for part in ip.split(".")[1:]).hex(":")
            linux = name in LINUX
            self.hosts[name] = Host(name, ip, mac, ttl=64 if linux or name == "PRINTER" else 128, timestamps=linux,
                                    sack=name not in AGED, window=262_144 if linux else 65_535 if name in AGED else 131_072,
                                    delayed_ack=40_000 if linux else 200_000)
        return self.hosts[name]

    def port(self):
        self._ports += self.chance(1, 9)
        return self._ports

    def connect(self, client, server, at, port=None):
        """A connection from `at` on (text, UTC, or µs); not opened yet."""
        if isinstance(at, str):
            at = clock.seconds(at) * 1_000_000 + self.chance(10_000, 400_000)
        return Connection(self.tap, at, self.host(client), self.host(server), port or self.entities[server][1], self.port())

    def call(self, client, server, at, contexts, **options):
        """An association: the connection is open and the request sent. See Talk."""
        return Talk(self, self.connect(client, server, at), client, server, contexts, **options)

    def implementation(self, name):
        if name in ("CTER01", "CT_ER"):
            return ul.decode(artefacts.associate_rq(self.seed)).implementation
        return f"2.999.9.{self.host(name).ip.split('.')[-1]}", SOFTWARE.get(name, "DCMKIT_3.1")


class Talk:
    """An association between two application entities, on a connection.

    contexts : (abstract syntax, transfer syntaxes) of each presentation context; their ids are 1, 3, 5, ...
    """

    def __init__(self, scene, connection, client, server, contexts, calling=None, called=None, roles=(), request=None,
                 maximum=16384, application=ul.APPLICATION_CONTEXT):
        self.scene, self.connection, self.names = scene, connection, (client, server)
        self.roles, self.message, self.outcome, self.answered = tuple(roles), 0, "no answer", None
        self.request = request or ul.AssociateRequest(
            called or server, calling or client,
            tuple(ul.Context(2 * place + 1, abstract, tuple(syntaxes)) for place, (abstract, syntaxes) in enumerate(contexts)),
            self._user(client, maximum), application)
        self.limits = [self.request.maximum_length, None]       # what each side receives
        connection.open()
        connection.think(scene.chance(150, 900))
        self.asked, = connection.send(CLIENT, self.request.encode())
        scene.talks.append(self)

    def summary(self):
        return {"client": self.names[0], "server": self.names[1], "calling": self.request.calling,
                "called": self.request.called, "outcome": self.outcome, "request_frame": self.asked.number,
                "answer_frame": self.answered and self.answered.number}

    def _user(self, name, maximum):
        uid, version = self.scene.implementation(name)
        return (ul.MaximumLength(maximum), ul.ImplementationClass(uid), *self.roles, ul.ImplementationVersion(version))

    def accept(self, maximum=32768, results=None):
        """A-ASSOCIATE-AC: each context with the transfer syntax that the server likes best, or as `results` say."""
        takes = TAKES.get(self.names[1], (EXPLICIT, IMPLICIT))
        answers = []
        for context in self.request.contexts:
            syntax = next((syntax for syntax in takes if syntax in context.transfers), None)
            result = (results or {}).get(context.id, 0 if syntax else 4)
            answers.append(ul.ContextResult(context.id, result, syntax or context.transfers[0]))
        self.limits[1] = maximum
        accept = ul.AssociateAccept(self.request.called, self.request.calling, tuple(answers), self._user(self.names[1], maximum))
        self.connection.think(self.scene.chance(700, 4000))
        self.answered, = self.connection.send(SERVER, accept.encode())
        self.outcome = "open"
        return self.answered

    def reject(self, result, source, reason):
        """A-ASSOCIATE-RJ; the requestor closes the connection (PS3.8 Table 9-6, AE-4)."""
        self.connection.think(self.scene.chance(400, 2500))
        self.answered, = self.connection.send(SERVER, ul.AssociateReject(result, source, reason).encode())
        self.outcome = "rejected"
        self.connection.close(CLIENT)
        return self.answered

    def pdus(self, side, context, command, data=None):
        """A message of `side` as the writes of its application: the command, and the data set."""
        command = {**command, "CommandDataSetType": ul.NO_DATA_SET if data is None else 1}
        parts = ul.fragment(ul.Message(context, command, data), self.limits[1 - side])
        commands = sum(part.values[0].command for part in parts)
        return [b"".join(part.encode() for part in some) for some in (parts[:commands], parts[commands:]) if some]

    def say(self, side, context, command, data=None):
        """Send a message; returns the frame of its command."""
        return self.connection.send(side, *self.pdus(side, context, command, data))[0]

    def ask(self, field, context, sop_class, data=None, **more):
        """A DIMSE request of the client."""
        self.message += 1
        self.connection.think(self.scene.chance(300, 2500))
        which = "RequestedSOPClassUID" if field == 0x0130 else "AffectedSOPClassUID"
        return self.say(CLIENT, context, {which: sop_class, "CommandField": field, "MessageID": self.message, **more}, data)

    def reply(self, field, context, sop_class, status=0, data=None, think=None, **more):
        """A DIMSE response of the server to the last request, after `think` µs."""
        self.connection.think(think or self.scene.chance(2500, 9000))
        return self.say(SERVER, context, {
            "AffectedSOPClassUID": sop_class, "CommandField": field | 0x8000, "MessageIDBeingRespondedTo": self.message,
            "Status": status, **more}, data)

    def echo(self, context=1):
        """C-ECHO, asked and answered: the two frames."""
        return [self.ask(0x30, context, VERIFICATION), self.reply(0x30, context, VERIFICATION)]

    def store(self, context, sop_class, uid, data, status=0, originator=None, **more):
        """C-STORE, asked and answered: the frame of each command."""
        if originator:
            more_asked = {"MoveOriginatorApplicationEntityTitle": originator[0], "MoveOriginatorMessageID": originator[1]}
        else:
            more_asked = {}
        asked = self.ask(0x01, context, sop_class, data, Priority=0, AffectedSOPInstanceUID=uid, **more_asked)
        return [asked, self.reply(0x01, context, sop_class, status, think=self.scene.chance(14_000, 46_000),
                                  AffectedSOPInstanceUID=uid, **more)]

    def release(self):
        """A-RELEASE; the requestor closes the connection (PS3.8 Table 9-8, AR-3)."""
        self.connection.think(self.scene.chance(300, 3000))
        self.connection.send(CLIENT, ul.ReleaseRequest().encode())
        self.connection.think(self.scene.chance(200, 900))
        self.connection.send(SERVER, ul.ReleaseReply().encode())
        self.outcome = "released"
        return self.connection.close(CLIENT)

    def abort(self, side, source, reason):
        """A-ABORT of `side`; the other closes the connection (PS3.8 Table 9-9, AA-3)."""
        self.connection.think(self.scene.chance(300, 1500))
        sent, = self.connection.send(side, ul.Abort(source, reason).encode())
        self.outcome = "aborted"
        self.connection.close(1 - side)
        return sent


# --- data sets

def data_set(elements, implicit=False, codec=None):
    """A data set in little endian, explicit or implicit VR. elements: (tag, VR, text, int or list of items), ascending."""
    parts = []
    if codec is None:
        codec = "utf-8" if elements[0][2] == "ISO_IR 192" else "latin-1"
    for tag, vr, value in elements:
        if vr == "SQ":
            items = [data_set(item, implicit, codec) for item in value]
            value = b"".join(b"\xfe\xff\x00\xe0" + len(item).to_bytes(4, "little") + item for item in items)
        elif vr == "US":
            value = value.to_bytes(2, "little")
        elif isinstance(value, str):
            value = value.encode(codec)
        whole = artefacts.element(tag >> 16, tag & 0xFFFF, vr, value)
        if implicit:
            value = whole[12 if vr in artefacts.LONG_VRS else 8:]
            whole = whole[:4] + len(value).to_bytes(4, "little") + value
        parts.append(whole)
    return b"".join(parts)


def charset_of(*texts):
    """Specific Character Set (0008,0005) in which these texts, or None, can be written."""
    return "ISO_IR 192" if any(ord(letter) > 255 for text in texts for letter in text or "") else "ISO_IR 100"


def dicom_times(text):
    """'2025-04-04 11:42:00' as ('20250404', '114200')."""
    day, _, time = (text or "").replace("-", "").replace(":", "").partition(" ")
    return day, time


ROW = ("study_pk", "study_uid", "accession", "study_dt_local", "description", "patient_id", "patient_name", "birth_date",
        "sex", "issuer", "series_uid", "series_no", "station_aet", "modality", "n_instances", "received_utc")
SELECT = ("SELECT s.pk, s.study_uid, s.accession, s.study_dt_local, s.description, p.pid, p.name, p.birth_date, p.sex, i.name, "
           "e.series_uid, e.series_no, e.station_aet, e.modality, e.n_instances, e.created_utc FROM {} "
           "LEFT JOIN issuer i ON i.pk = p.issuer_pk ")


def exam_of(scene, role, start):
    """The first series of an examination of the story, as the archive has it: a dict of ROW."""
    pid = story.people(scene.seed)[role][3]
    _, rows = scene.h.pacs.rows(
        SELECT.format("patient p JOIN study s ON s.patient_pk = p.pk JOIN series e ON e.study_pk = s.pk")
        + f"WHERE p.pid = '{pid}' AND s.study_dt_local LIKE '{start[:16]}%' ORDER BY e.series_no LIMIT 1")
    return dict(zip(ROW, rows[0]))


def latest_ct(scene):
    """The last CT series of which the archive lists at least three images: ROW, and `instances`: (uid, number, UTC)."""
    _, rows = scene.h.pacs.rows(
        SELECT.format("study s JOIN patient p ON p.pk = s.patient_pk JOIN series e ON e.study_pk = s.pk")
        + "WHERE e.modality = 'CT' AND e.n_instances >= 3 AND s.deleted = 0 AND s.created_utc > '2025-03-31 07:00:00' "
        "AND EXISTS (SELECT 1 FROM instance n WHERE n.series_pk = e.pk) ORDER BY s.pk DESC, e.series_no LIMIT 1")
    row = dict(zip(ROW, rows[0]))
    _, row["instances"] = scene.h.pacs.rows(
        "SELECT n.sop_uid, n.instance_no, n.created_utc FROM instance n JOIN series e ON e.pk = n.series_pk "
        f"WHERE e.series_uid = '{row['series_uid']}' ORDER BY n.instance_no LIMIT 3")
    return row


def known_by(row, *more):
    """Of a ROW what other systems know it by."""
    return {key: row[key] for key in ("patient_id", "study_uid", "accession", "station_aet", *more)}


def image_data(scene, row, sop_class, uid, number, side, without=(), named_class=None):
    """A data set with the identification in `row` and `side` x `side` pixels; a CT's is complete.

    without : tags to leave out; named_class : SOP class that it says of itself, if not its own
    """
    import numpy as np
    day, time = dicom_times(row["study_dt_local"])
    ct = sop_class == CT
    place = np.arange(side) * 2 - side + 1
    distance = place[:, None] ** 2 + place[None, :] ** 2
    noise = scene.draws.below(31, side * side).reshape(side, side) - 15
    pixels = np.where(distance > (side * 88 // 100) ** 2, 24, np.where(distance > (side * 78 // 100) ** 2, 1900, 1040)) + noise
    pixels = np.clip(pixels, 0, 4095)
    elements = [
        (0x00080005, "CS", charset_of(row["patient_name"], row["description"])),
        (0x00080008, "CS", "ORIGINAL\\PRIMARY\\AXIAL" if ct else "ORIGINAL\\PRIMARY"),
        (0x00080016, "UI", named_class or sop_class), (0x00080018, "UI", uid), (0x00080020, "DA", day),
        (0x00080023, "DA", day), (0x00080030, "TM", time), (0x00080033, "TM", time), (0x00080050, "SH", row["accession"] or ""),
        (0x00080060, "CS", row["modality"]), (0x00080070, "LO", "Heliodyne"), (0x00080090, "PN", ""),
        (0x00081030, "LO", row["description"] or ""), (0x00100010, "PN", row["patient_name"]),
        (0x00100020, "LO", row["patient_id"]), (0x00100021, "LO", row["issuer"] or ""),
        (0x00100030, "DA", (row["birth_date"] or "").replace("-", "")), (0x00100040, "CS", row["sex"] or ""),
        (0x00180050, "DS", "5"), (0x00180060, "DS", "120"), (0x00185100, "CS", "HFS"),
        (0x0020000D, "UI", row["study_uid"]), (0x0020000E, "UI", row["series_uid"]), (0x00200010, "SH", ""),
        (0x00200011, "IS", str(row["series_no"])), (0x00200012, "IS", "1"), (0x00200013, "IS", str(number)),
        (0x00200032, "DS", f"-120\\-120\\{number * 5}"), (0x00200037, "DS", "1\\0\\0\\0\\1\\0"),
        (0x00200052, "UI", row["study_uid"] + ".90"), (0x00200060, "CS", ""), (0x00201040, "LO", ""),
        (0x00280002, "US", 1), (0x00280004, "CS", "MONOCHROME2"), (0x00280010, "US", side), (0x00280011, "US", side),
        (0x00280030, "DS", "1.875\\1.875"), (0x00280100, "US", 16), (0x00280101, "US", 12), (0x00280102, "US", 11),
        (0x00280103, "US", 0), (0x00281052, "DS", "-1024"), (0x00281053, "DS", "1"),
        (0x7FE00010, "OW", pixels.astype("<u2").tobytes()),
    ]
    only_ct = {0x00180050, 0x00180060, 0x00185100, 0x00200012, 0x00200032, 0x00200037, 0x00200052, 0x00200060, 0x00201040,
               0x00280030, 0x00281052, 0x00281053}
    return [element for element in elements if element[0] not in without and (ct or element[0] not in only_ct)]


def object_uids(row, count=1):
    """SOP Instance UIDs of the first `count` images of a series, as the archive builds them."""
    return [f"{row['series_uid']}.{number}" for number in range(1, count + 1)]


def showing(*fields, status=None):
    """A display filter for DIMSE messages with one of these command fields, or with a status: by the bytes of the element,
    since Wireshark has no field for either unless a preference is changed."""
    element, values = (b"\0\0\0\x09\2\0\0\0", (status,)) if status is not None else (b"\0\0\0\1\2\0\0\0", fields)
    return " || ".join("dicom contains " + (element + value.to_bytes(2, "little")).hex(":") for value in values)
