"""The audit record repository: thirty days of DICOM audit messages from all systems, and what is hidden among them.

Everyday messages follow from the archive's studies, orders and visits and from who was on duty: whoever opens a record has
a reason that roster and encounters show. The planted incidents of lab B1 are those that have none, beside some
that look alike and are innocent. About 1.3 messages for each study of the edition: 80,000 for the default one.
"""

from bisect import bisect_right
from typing import NamedTuple

from coursekit.hospital import clock, names, story, world
from coursekit.hospital.catalogue import PROCEDURES, SOP_CLASSES, STORAGE
from coursekit.hospital.clock import DAY, HOUR, NOW_UTC, seconds
from coursekit.hospital.draws import Draws
from coursekit.hospital.incidents import MANIFEST_REFUSED, Evidence, Incident
from coursekit.hospital.staff import START_UTC
from coursekit.standards import audit as dicom

DOMAIN = "hvgh.example"
MESSAGES_PER_1000_STUDIES = 1290
MALFORMED = ("RFC 3881 attribute code", "outcome 1", "no active participant")
STUDY_ROOT_FIND, WORKLIST_FIND = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.31"
IMPLICIT = "1.2.840.10008.1.2"

# AuditSourceID: IPv4 address, PROCID, MSGID, byte order mark, Audit Source Type Code (A.5.1.2.1).
SOURCES = {
    "HV_PACS": ("10.20.10.10", "2214", "DICOM+RFC3881", True, "4"),
    "HV_ROUTER": ("10.20.10.12", "871", "DICOM+RFC3881", True, "4"),
    "HV_MWL": ("10.20.10.20", "412", "DICOM+RFC3881", True, "4"),
    "HV_VNA": ("10.20.10.40", "1190", "DICOM+RFC3881", True, "4"),
    "HIS": ("10.20.20.10", "-", "IHE+RFC-3881", False, "4"),
    "RIS": ("10.20.20.11", "-", "IHE+RFC-3881", False, "4"),
    "EMR": ("10.20.20.30", "-", "IHE+RFC-3881", False, "3"),
    "ARR": ("10.20.50.10", "66", "DICOM+RFC3881", True, "4"),
}
# Devices that write audit messages themselves; the others are too old.
AUDITING = ("CT_ER", "CTER01", "CT2", "MR1", "PETCT1", "PETMR1", "NM1", "DX_CH1", "MG1", "US_ECHO1")
WITHOUT_ZONE = "NM1"                    # against A.5.2.5, though the schema lets it pass
MOBILE = ("US_ECHO1", "XC_WOUND")
WHO_EXAMINES = {"PT": ("Nuclear medicine", "technologist"), "NM": ("Nuclear medicine", "technologist"),
                "XA": ("Cath lab", "technologist"), "IVUS": ("Cath lab", "technologist"),
                "IVOCT": ("Cath lab", "technologist"), "IO": ("Dental clinic", "dentist"),
                "PX": ("Dental clinic", "dentist"), "XC": ("Wound clinic", "nurse")}
ANY_TECHNOLOGIST = ("Radiology", "technologist")
SONOGRAPHERS = {"US_ECHO1": ("Cardiology", "sonographer"), "US_OB1": ("Obstetrics", "sonographer")}
CLASS_OF = {(slot.modality, slot.description): STORAGE + SOP_CLASSES[slot.kind or slot.modality]
            for procedure in PROCEDURES for slot in procedure.slots}

GAP = seconds("2025-03-22 02:10:00"), seconds("2025-03-22 03:40:00")
SKEW = "HV_ROUTER", seconds("2025-03-24 06:00:00"), 2592           # source, since, seconds ahead


class Event(NamedTuple):
    """What the generator knows of one message.

    number : place in the repository, from 1, in the order of arrival
    utc    : when it happened, 'YYYY-MM-DD HH:MM:SS.mmm', by a right clock
    source, event, event_type, action, outcome, host : as in the message
    user_id: account of the person or service that acted, without domain; None when a device did
    patient_id, study_uid : of the objects; None when there is none
    incident  : id of the incident of lab B1 that it belongs to, or 'C17', or None
    malformed : one of MALFORMED, or None
    """

    number: int
    utc: str
    source: str
    event: str
    event_type: str | None
    action: str
    outcome: str
    host: str | None
    user_id: str | None
    patient_id: str | None
    study_uid: str | None
    incident: str | None
    malformed: str | None


class Study(NamedTuple):
    """A study as the audit trail sees it; times are seconds since 1970, UTC."""

    uid: str
    pid: str
    name: str
    thing: str                          # the XML of study and patient as participating objects
    description: str
    station: str
    modality: str
    accession: str | None
    created: int
    complete: int | None
    status: str
    deleted: int
    visit: int | None
    patient: int
    series: tuple                       # (sender, SOP class, instances, received)


class Visit(NamedTuple):
    pk: int
    pid: str
    name: str
    patient: int
    kind: str
    location: str
    begins: int
    ends: int


class Lot:
    """Single draws, taken from a Draws some thousands at a time."""

    def __init__(self, draws):
        self._draws, self._words = draws, iter(())

    def below(self, limit):
        for word in self._words:
            return (word >> 32) * limit >> 32
        self._words = iter(self._draws.raw(4096).tolist())
        return self.below(limit)

    def between(self, low, high):
        return low + self.below(high - low + 1)

    def happens(self, permille):
        return self.below(1000) < permille

    def pick(self, some):
        return some[self.below(len(some))]


CHANGES = clock.changes().tolist()


def local(utc):
    """The wall clock at `utc`, for one number: ``clock.to_local`` is for arrays, and slow for one."""
    return utc + HOUR + HOUR * (bisect_right(CHANGES, utc) % 2)


def utc_of(wall):
    """The instant at which the wall clock shows `wall`, for one number, as ``clock.to_utc``."""
    return int(clock.to_utc(wall))


def query_bytes(elements):
    """A data set in Implicit VR Little Endian (PS3.5 A.1): `elements` are (tag, value), value str or list of items."""
    parts = []
    for tag, value in elements:
        if isinstance(value, str):
            octets = value.encode("utf-8")
            octets += (b"\0" if tag in (0x0020000D, 0x00080016) else b" ") * (len(octets) % 2)
        else:
            octets = b""
            for item in value:
                inner = query_bytes(item)
                octets += bytes.fromhex("feff00e0") + len(inner).to_bytes(4, "little") + inner
        parts.append((tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")
                     + len(octets).to_bytes(4, "little") + octets)
    return b"".join(parts)


class Audit:
    """The audit trail of one hospital.

    Attributes
    ----------
    events : list of Event
        What the generator knows of each message, in the order of arrival.
    incidents : list of Incident
        Lab B1; facts['innocent'] tells those that only look like a violation.
    lines : list of str
        The syslog messages, one a line.
    """

    def __init__(self, h):
        self.h, self.staff = h, h.staff
        self._draws = Draws(h.seed, "audit")
        self._lot = Lot(self._draws)
        self._notes, self._sessions, self._cache, self._index = [], {}, {}, {}
        self.incidents = []
        self._hosts = {aet: host for aet, host, *_ in world.DEVICES} | {name: one[0] for name, one in SOURCES.items()}
        self._read_archive()
        self._case_began = seconds(h.truth["case_17"]["first_image_utc"])
        for study in self.studies:
            self._study(study)
        self._orders()
        for visit in self.visits.values():
            self._visit(visit)
        self._machines()
        self._case_17()
        self._plant()
        self._logins()
        self._worklist()
        self._associations()
        self._number()

    def __repr__(self):
        return f"<audit trail: {len(self.events):,} messages; see .lines, .events, .incidents, .stream()>"

    # ---- what the archive tells

    def _read_archive(self):
        h, since = self.h, clock.text([START_UTC])[0]
        epoch = "CAST(strftime('%s', {}) AS INTEGER)"
        series = {}
        for study_pk, modality, description, count, station, created in h.pacs.rows(
                f"SELECT r.study_pk, r.modality, r.description, r.n_instances, r.station_aet, {epoch.format('r.created_utc')} "
                f"FROM study s JOIN series r ON r.study_pk = s.pk WHERE s.created_utc >= '{since}' ORDER BY r.pk")[1]:
            uid = CLASS_OF.get((modality, description)) or STORAGE + SOP_CLASSES[modality]
            series.setdefault(study_pk, []).append((station, uid, count, created))
        truth = h.truth["study_order"]
        order_of = {**dict(zip(truth["study_pk"], truth["order_pk"])), **h.truth["worklist_choice"]}
        self._orders_read = h.pacs.rows(
            f"SELECT o.pk, p.pid, p.name, o.visit_pk, o.accession, o.procedure_desc, o.status, {epoch.format('o.ordered_utc')}, "
            f"o.study_uid FROM orders o JOIN patient p ON p.pk = o.patient_pk WHERE o.ordered_utc >= '{since}' ORDER BY o.pk")[1]
        visit_of = dict(h.pacs.rows(
            "SELECT pk, visit_pk FROM orders WHERE visit_pk IS NOT NULL AND ordered_utc >= '2024-12-01'")[1])
        self.studies = []
        for pk, patient, pid, name, uid, accession, description, mods, created, complete, status, deleted in h.pacs.rows(
                "SELECT s.pk, p.pk, p.pid, p.name, s.study_uid, s.accession, s.description, s.mods_in_study, "
                f"{epoch.format('s.created_utc')}, {epoch.format('s.exam_complete_utc')}, s.status, s.deleted "
                f"FROM study s JOIN patient p ON p.pk = s.patient_pk WHERE s.created_utc >= '{since}' ORDER BY s.pk")[1]:
            held, modality = series.get(pk, ()), (mods or "OT").split("\\")[0]
            classes = {}
            for _, sop_class, count, _ in held:
                classes[sop_class] = classes.get(sop_class, 0) + count
            self.studies.append(Study(
                uid, pid, name, dicom.study(uid, description or modality, accession, classes.items()) + self._patient(pid, name),
                description or modality, held[0][0] if held else None, modality, accession, created, complete, status, deleted,
                visit_of.get(order_of.get(pk)), patient, held))
        self._priors = {}
        for patient, uid, accession, description, pid, name in h.pacs.rows(
                "SELECT s.patient_pk, s.study_uid, s.accession, s.description, p.pid, p.name FROM study s "
                "JOIN patient p ON p.pk = s.patient_pk WHERE s.deleted = 0 AND s.created_utc < "
                f"'{since}' AND s.patient_pk IN (SELECT patient_pk FROM study WHERE created_utc >= '{since}') "
                "ORDER BY s.pk DESC")[1]:
            held = self._priors.setdefault(patient, [])
            if len(held) < 3:
                held.append((uid, dicom.study(uid, description or "Study", accession) + self._patient(pid, name)))
        until = clock.text([clock.NOW_LOCAL])[0]
        self.visits = {}
        for pk, pid, name, patient, kind, location, begins, ends in h.pacs.rows(
                f"SELECT v.pk, p.pid, p.name, p.pk, v.class, v.location, {epoch.format('v.admitted_local')}, "
                f"{epoch.format('v.discharged_local')} FROM visit v JOIN patient p ON p.pk = v.patient_pk "
                f"WHERE coalesce(v.discharged_local, '9') >= '{since}' AND v.admitted_local < '{until}' ORDER BY v.pk")[1]:
            self.visits[pk] = Visit(pk, pid, name, patient, kind, location, utc_of(begins), utc_of(ends or clock.NOW_LOCAL))

    # ---- pieces of messages

    def _patient(self, pid, name):
        key = "patient", pid, name
        if key not in self._cache:
            vip = any(one.patient_id == pid for one in self.staff.related("VIP"))
            self._cache[key] = dicom.patient(pid, name, "VIP" if vip else None)
        return self._cache[key]

    def _person(self, user_id, host, requestor=True, roles=()):
        key = user_id, host, requestor, roles
        if key not in self._cache:
            user = self.staff.user(user_id)
            self._cache[key] = dicom.participant(f"{user_id}@{DOMAIN}", requestor, roles, user.name.replace("^", ", "),
                                                 host=host)
        return self._cache[key]

    def _process(self, title, *roles, requestor=False):
        key = title, roles, requestor
        if key not in self._cache:
            user_id = SOURCES[title][1] if title in SOURCES and SOURCES[title][1] != "-" else title.lower()
            self._cache[key] = dicom.participant(user_id, requestor, roles, title, f"AETITLES={title}", self._hosts.get(title))
        return self._cache[key]

    def _note(self, utc, source, event, action, participants, objects="", kind=None, outcome="0", why=None, user=None,
              host=None, pid=None, uid=None, incident=None):
        """Note a message; `utc` in seconds, to which some milliseconds are added."""
        ms = 1000 * utc + self._lot.below(1000)
        if 1000 * START_UTC <= ms < 1000 * NOW_UTC:
            self._notes.append(
                (ms, source, event, kind, action, outcome, participants, objects, why, host, user, pid, uid, incident))
            if user is not None and incident is None and event != "110114":
                # One session for a user, a system and a part of the day: 07-15, 15-23, 23-07 by the wall clock.
                key = user, source, (local(utc) - 7 * HOUR) // (8 * HOUR)
                held = self._sessions.setdefault(key, [utc, utc, host])
                held[0], held[1] = min(held[0], utc), max(held[1], utc)

    def _on_duty(self, unit, role, utc, other=None):
        """Somebody of the unit who is at work, or else of the `other` (unit, role), or anybody of the unit."""
        found = self.staff.on_duty(unit, role, local(utc)) or other and self.staff.on_duty(*other, local(utc))
        return self._lot.pick(found or self.staff.group(unit, role))

    def _office_hour(self, utc, days):
        """A moment in office hours of the next weekday that is at least `days` after `utc`."""
        day = utc // DAY + days
        while (day + 3) % 7 > 4:
            day += 1
        return day * DAY + 8 * HOUR + self._lot.below(6 * HOUR)

    def _opened(self, utc, user, study_uid, thing, pid, incident=None, host=None, action="R"):
        """`user` opens a study in the archive's viewer: DICOM Instances Accessed."""
        host = host or self.staff.host(user)
        self._note(utc, "HV_PACS", "110103", action, self._person(user.user_id, host) + self._process("HV_PACS"), thing,
                   user=user.user_id, host=host, pid=pid, uid=study_uid, incident=incident)

    def _asked(self, utc, user, keys, hits, incident=None, host=None, pid=None, source="HV_PACS"):
        """`user` searches the archive: Query, with its data set and, as this vendor adds, how many matched."""
        host = host or self.staff.host(user)
        thing = dicom.thing(STUDY_ROOT_FIND, "110181", role="3", query=query_bytes(
            [(0x00080052, "STUDY"), *keys]), details=(("TransferSyntax", IMPLICIT), ("NumberOfMatches", str(hits))))
        issuer = dicom.participant("viewer", False, ("110153",), "HV_VIEW", "AETITLES=HV_VIEW", host)
        self._note(utc, source, "110112", "E", issuer + self._process(source, "110152") + self._person(user.user_id, host),
                   thing, user=user.user_id, host=host, pid=pid, incident=incident)

    def _login(self, utc, source, user_id, host, kind="110122", outcome="0", why=None, incident=None):
        self._note(utc, source, "110114", "E", self._person(user_id, host) + self._process(source), kind=kind,
                   outcome=outcome, why=why, user=user_id, host=host, incident=incident)

    def _alert(self, utc, source, kind, outcome, subject, text, who="", user=None, host=None, pid=None, uid=None,
               incident=None):
        """Security Alert about a node (IPv4 address) or a patient's record (URI)."""
        thing = dicom.thing(subject, "12" if ":" in subject else "110182", role="13",
                            details=(("Alert Description", text),))
        self._note(utc, source, "110113", "E", who + self._process(source), thing, kind=kind, outcome=outcome,
                   user=user, host=host, pid=pid, uid=uid, incident=incident)

    # ---- everyday work

    def _study(self, study):
        lot, station, created = self._lot, study.station, study.created
        ids = {"pid": study.pid, "uid": study.uid}
        incident = "C17" if study.uid == self.h.truth["case_17"]["study_uid"] else None
        if station is None or station.startswith("ECC_"):
            self._imported(study)
            return
        arrived = self._sent(study, incident)
        examiner = self._on_duty(*(SONOGRAPHERS.get(station) or WHO_EXAMINES.get(study.modality, ANY_TECHNOLOGIST)), created,
                                 ANY_TECHNOLOGIST)
        self._opened(arrived + lot.between(30, 300), examiner, study.uid, study.thing, study.pid)
        if study.complete:
            self._note(study.complete, "HV_MWL", "110111", "U", self._process(station, requestor=True) + self._process("HV_MWL"),
                       study.thing, **ids)
        self._note(arrived + lot.between(240, 900), "HV_VNA", "110104", "C",
                   self._person("svc_vna", "10.20.10.40") + self._process("HV_PACS", "110153")
                   + self._process("HV_VNA", "110152"),
                   study.thing, user="svc_vna", host="10.20.10.40", **ids)
        priors = self._priors.get(study.patient, ())
        fetched = created - lot.between(1800, 12 * HOUR)
        for uid, thing in priors:
            moved = (self._person("svc_router", "10.20.10.12") + self._process("HV_VNA", "110153")
                     + self._process("HV_PACS", "110152"))
            self._note(fetched, "HV_ROUTER", "110102", "E", moved, thing, user="svc_router", host="10.20.10.12",
                       pid=study.pid, uid=uid)
            self._note(fetched + 9, "HV_PACS", "110104", "R", moved, thing, user="svc_router", host="10.20.10.12",
                       pid=study.pid, uid=uid)
            fetched += lot.between(20, 90)
        visit = self.visits.get(study.visit)
        urgent = visit is not None and visit.kind == "E"
        if study.status != "UNVERIFIED":
            self._read(study, arrived + (lot.between(300, 3000) if urgent else lot.between(900, 18 * HOUR)), priors)
        if visit:
            self._shown(study, visit, arrived)
        if study.deleted:
            when = self._office_hour(created, 1)
            admin = self._on_duty("Imaging IT", "PACS administrator", when)
            self._note(when, "HV_PACS", "110105", "D",
                       self._person(admin.user_id, self.staff.host(admin)) + self._process("HV_PACS"), study.thing,
                       user=admin.user_id, host=self.staff.host(admin), **ids)

    def _sent(self, study, incident):
        """Each series comes in an association of its own; returns when the scanner's last one had arrived."""
        arrived = study.created
        person = self._patient(study.pid, study.name)
        for number, (sender, sop_class, count, received) in enumerate(study.series):
            if number == 0:
                received = study.created
            thing = dicom.study(study.uid, study.description, study.accession, ((sop_class, count),)) + person
            title = "HV_ROUTER" if sender.startswith("ECC_") else sender
            both = self._process(title, "110153", requestor=True) + self._process("HV_PACS", "110152")
            ends = received + 2 + min(240, count // 8) + self._lot.below(6)
            ids = {"pid": study.pid, "uid": study.uid, "host": self._hosts[title], "incident": incident}
            if title in AUDITING or title == "HV_ROUTER":
                self._note(received, title, "110102", "E", both, thing, **ids)
                self._note(ends, title, "110104", "C", both, thing, **ids)
            self._note(ends, "HV_PACS", "110104", "C", both, thing, **ids)
            if sender == study.station:
                arrived = max(arrived, ends)
        return arrived

    def _imported(self, study):
        """A prior of Eastcliff, from a disc, through the router."""
        lot = self._lot
        admin = self.staff.group("Imaging IT", "PACS administrator")[0]
        host, day = self.staff.host(admin), (study.created - START_UTC) // DAY
        disc = dicom.participant(f"CD ECC-{day:02d}", False, ("110155",), alternative=f"ECC_{day:02d}", media=("110032", "CD"))
        self._note(study.created - lot.between(60, 600), "HV_ROUTER", "110107", "C",
                   self._person(admin.user_id, host, True, ("110152",)) + disc, study.thing, user=admin.user_id, host=host,
                   pid=study.pid, uid=study.uid)
        self._sent(study, None)

    def _read(self, study, when, priors):
        """A radiologist reads the study, perhaps with priors; a second one may check."""
        lot = self._lot
        reader = self._on_duty("Radiology", "radiologist", when)
        if lot.happens(450):
            self._asked(when - lot.between(5, 60), reader, [(0x00100020, study.pid), (0x0020000D, "")], 1 + len(priors),
                        pid=study.pid)
        self._opened(when, reader, study.uid, study.thing, study.pid)
        for uid, thing in priors[:1 + lot.below(3)]:
            self._opened(when + lot.between(20, 240), reader, uid, thing, study.pid)
        if lot.happens(420):
            later = when + lot.between(600, 5 * HOUR)
            second = self._on_duty("Radiology", "radiologist", later)
            self._opened(later, second, study.uid, study.thing, study.pid)
        if lot.happens(25):
            burnt = self._office_hour(when, lot.between(1, 4))
            # Nobody burns a neighbour's disc.
            clerk = lot.pick([user for user in self.staff.group("Health records", "clerk")
                              if user.user_id != self.staff.related("neighbour")[0].user_id])
            host = self.staff.host(clerk)
            disc = dicom.participant(f"CD {study.pid}", False, ("110154",), media=("110032", "CD"))
            self._note(burnt, "HV_PACS", "110106", "R",
                       self._person(clerk.user_id, host, True, ("110153",)) + disc, study.thing, user=clerk.user_id, host=host,
                       pid=study.pid, uid=study.uid)

    def _shown(self, study, visit, arrived):
        """Those who treat the patient look at the images."""
        lot = self._lot
        span = {"E": 5400, "O": 2 * DAY, "I": 2 * DAY}[visit.kind]
        for role, least, most in (("physician", 1, 5), ("nurse", 0, 3)):
            for _ in range(lot.between(least, most)):
                when = arrived + lot.between(200, span)
                if not self.staff.on_duty(visit.location, role, local(when)):
                    continue
                user = self._on_duty(visit.location, role, when)
                if lot.happens(300):
                    self._asked(when - lot.between(4, 30), user, [(0x00100020, study.pid), (0x0020000D, "")], 1, pid=study.pid)
                self._opened(when, user, study.uid, study.thing, study.pid)

    def _orders(self):
        lot = self._lot
        for _, pid, name, visit_pk, accession, description, status, ordered, uid in self._orders_read:
            visit = self.visits.get(visit_pk)
            user = self._on_duty(visit.location if visit else "Admissions", "physician", ordered, ("Admissions", "clerk"))
            host = self.staff.host(user)
            both = self._person(user.user_id, host) + self._process("RIS")
            thing = dicom.study(uid, description, accession) + self._patient(pid, name)
            ids = {"pid": pid, "uid": uid, "user": user.user_id, "host": host}
            self._note(ordered, "RIS", "110109", "C", both, thing, **ids)
            if status == "CANCELLED":
                self._note(ordered + lot.between(HOUR, DAY), "RIS", "110109", "D", both, thing, **ids)

    def _visit(self, visit):
        lot, person = self._lot, self._patient(visit.pid, visit.name)
        clerk = self._on_duty("Admissions", "clerk", visit.begins)
        host = self.staff.host(clerk)
        self._note(visit.begins, "HIS", "110110", "C", self._person(clerk.user_id, host) + self._process("HIS"), person,
                   user=clerk.user_id, host=host, pid=visit.pid)
        length = max(600, visit.ends - visit.begins)
        for _ in range(min(20, {"E": 7, "O": 3, "I": 5}[visit.kind] + 2 * (length // DAY))):
            when = visit.begins + lot.below(length)
            role = "nurse" if lot.happens(550) else "physician"
            if not self.staff.on_duty(visit.location, role, local(when)):
                continue
            user = self._on_duty(visit.location, role, when)
            host = self.staff.host(user)
            self._note(when, "EMR", "110110", "U" if lot.happens(120) else "R",
                       self._person(user.user_id, host) + self._process("EMR"), person, user=user.user_id, host=host,
                       pid=visit.pid)

    def _logins(self):
        """Each session begins with a login, sometimes a mistyped one before, and mostly ends with a logout."""
        lot = self._lot
        for (user_id, source, _), (first, last, host) in list(self._sessions.items()):
            if user_id.startswith("svc_"):
                continue
            begins = first - lot.between(15, 120)
            if lot.happens(60):
                self._login(begins - lot.between(5, 20), source, user_id, host, outcome="4", why="Password does not match")
            self._login(begins, source, user_id, host)
            if lot.happens(850):
                self._login(last + lot.between(60, 900), source, user_id, host, kind="110123")

    def _machines(self):
        """What systems report of themselves."""
        lot = self._lot
        admins = self.staff.group("Imaging IT", "PACS administrator")
        officer = self.staff.group("Privacy office", "privacy officer")[0]
        for day in range(START_UTC // DAY, NOW_UTC // DAY + 1):
            weekday = (day + 3) % 7
            restarted = [("HV_ROUTER", 1 * HOUR)] + ([("HV_PACS", 2 * HOUR + 1800)] if weekday == 2 else [])
            for title, second in restarted:
                for kind, later in (("110121", 0), ("110120", lot.between(40, 200))):
                    launcher = dicom.participant("root", True, ("110151",), "system scheduler", host=self._hosts[title])
                    self._note(day * DAY + second + later, title, "110100", "E", self._process(title, "110150") + launcher,
                               kind=kind)
            if weekday < 5:
                for title in MOBILE:
                    for kind, hour in (("110124", 7), ("110125", 16)):
                        self._note(day * DAY + hour * HOUR + lot.below(1800), title, "110108", "E", self._process(title),
                                   kind=kind)
            if weekday == 0:
                self._looked(day * DAY + 8 * HOUR + lot.below(HOUR), officer, self.staff.host(officer))
        engineer = self.staff.group("Clinical engineering", "engineer")[0]
        self._alert(story.RENAMED, "CTER01", "110131", "0", "10.20.30.41", "Software updated; AE title CT_ER is now CTER01",
                    self._person(engineer.user_id, "10.20.30.41"), engineer.user_id, "10.20.30.41")
        scan = seconds("2025-03-18 01:00:00")
        for number in range(6 + self.h.studies // 10_000):
            self._alert(scan + 20 * number, ("HV_PACS", "HV_VNA")[number % 2], "110126", "4", "10.20.50.77",
                        "No client certificate")
        self._looked(seconds("2025-03-20 13:20:00"), admins[1], self.staff.host(admins[1]))

    def _looked(self, utc, user, host, incident=None):
        """Audit Log Used."""
        self._note(utc, "ARR", "110101", "R", self._person(user.user_id, host) + self._process("ARR"),
                   dicom.thing(f"https://arr.{DOMAIN}/log", "12", "Security Audit Log", role="13"), user=user.user_id, host=host,
                   incident=incident)

    def _worklist(self):
        """The queries that scanners make before an exam, and those and the procedure steps that HV_MWL refused."""
        modality_of = {aet: modality for aet, _, _, modality, *_ in world.DEVICES}
        for query in self.h.worklist.queries:
            utc = seconds(query.at_utc)
            if query.status != "0000":
                self._refused(utc, "C17" if query.aet == "CTER01" and abs(utc - self._case_began) < 600 else None)
                continue
            keys = query.keys
            thing = dicom.thing(WORKLIST_FIND, "110181", role="3", query=query_bytes(
                [(0x00100010, ""), (0x00100020, ""), (0x00400100, [[
                    (0x00080060, keys.get("Modality", modality_of[query.aet])),
                    (0x00400001, keys.get("ScheduledStationAETitle", query.aet)),
                    (0x00400002, keys.get("ScheduledProcedureStepStartDate", ""))]])]),
                details=(("TransferSyntax", IMPLICIT), ("NumberOfMatches", str(query.matches))))
            self._note(utc, "HV_MWL", "110112", "E",
                       self._process(query.aet, "110153", requestor=True) + self._process("HV_MWL", "110152"), thing,
                       host=self._hosts[query.aet])
        for step in self.h.mpps:
            for refused_utc, _, how in step.refusals:
                if how.startswith("A-ASSOCIATE-RJ"):
                    case = step.study_uid == self.h.truth["case_17"]["study_uid"]
                    self._refused(seconds(refused_utc), "C17" if case else None)

    def _associations(self):
        """HV_PACS and HV_VNA report successful node authentication too, which fills most of the trail: A.5.3.11, note."""
        pairs = (("HV_PACS", "HV_ROUTER"), ("HV_VNA", "HV_PACS"), ("HV_PACS", "EMR"), ("HV_PACS", "WS_CH1"),
                 ("HV_PACS", "HV_VNA"), ("HV_PACS", "HV_ROUTER"), ("HV_VNA", "HV_ROUTER"), ("HV_PACS", "WS_MG1"),
                 ("HV_PACS", "WS_ED1"), ("HV_VNA", "EMR"))
        count = max(300, self.h.studies * MESSAGES_PER_1000_STUDIES // 1000 - len(self._notes))
        span = NOW_UTC - START_UTC
        for number in range(count):
            source, node = pairs[number % len(pairs)]
            self._alert(START_UTC + number * span // count + self._lot.below(60), source, "110126", "0", self._hosts[node],
                        "Node authenticated", host=self._hosts[node])

    def _refused(self, utc, incident=None):
        self._alert(utc, "HV_MWL", "110126", "8", "10.20.30.41", "Association rejected: calling AE title CTER01 not recognized",
                    host="10.20.30.41", incident=incident)

    # ---- Case 17

    def _case_17(self):
        """What the night of Case 17 left beside study, order and visit. The merge that the archive refused left nothing."""
        case = self.h.truth["case_17"]
        began = self._case_began
        study = next(one for one in self.studies if one.uid == case["study_uid"])
        self._login(began - 480, "CTER01", "ctuser", "10.20.30.41", incident="C17")
        doctor = self._on_duty("Emergency", "physician", began)
        host = world.DEVICES[[one[0] for one in world.DEVICES].index("WS_ED1")][1]
        ids = {"pid": study.pid, "uid": study.uid, "user": doctor.user_id, "host": host}
        self._login(began + 780, "HV_PACS", doctor.user_id, host, incident="C17")
        for later, key, value in ((800, 0x00080050, case["accession"]), (850, 0x00100020, case["temporary_id"])):
            self._asked(began + later, doctor, [(key, value), (0x0020000D, "")], 0, "C17", host)
        self._override(began + 1020, doctor, host, study, "C17")
        self._opened(began + 1050, doctor, study.uid, study.thing, study.pid, "C17", host)
        reader = self._on_duty("Radiology", "radiologist", began + 1500)
        self._opened(began + 1500, reader, study.uid, study.thing, study.pid, "C17")
        registry = dicom.participant("https://registry.nmh.example/xds", False, ("110152",), "Northmere registry",
                                     host="10.80.0.5")
        self._note(MANIFEST_REFUSED, "HV_VNA", "110106", "R",
                   self._process("HV_VNA", "110153", requestor=True) + registry, study.thing, outcome="8",
                   why="XDSUnknownPatientId", pid=study.pid, uid=study.uid, incident="C17")
        partner = self.staff.group("Eastcliff Clinic", "physician")[0]
        self._asked(seconds(case["partner_asked_utc"]), partner, [(0x00080020, "20250330"), (0x00100020, case["patient_id"])], 0,
                    "C17", source="HV_VNA", pid=case["patient_id"])
        self._incident("B1-04-2", "emergency override in an emergency", began + 1020, innocent=True, user_id=ids["user"],
                       patient_id=study.pid, study_uid=study.uid, host=host)

    def _override(self, utc, user, host, study, incident):
        self._alert(utc, "HV_PACS", "110127", "4", f"urn:oid:{study.uid}", "Emergency access without a care relation",
                    self._person(user.user_id, host, requestor=True), user.user_id, host, study.pid, study.uid, incident)

    # ---- the incidents of lab B1

    def _incident(self, name, kind, utc, innocent=False, **facts):
        self.incidents.append(Incident(name, kind, clock.text([utc])[0], {"innocent": innocent, **facts}, ("audit",)))
        return name

    def _study_of(self, pid):
        return next(one for one in self.studies if one.pid == pid)

    def _snoop(self, name, kind, user, study, when, looks=2, record=False):
        """`user` looks up a patient who is none of their business."""
        lot, host = self._lot, self.staff.host(user)
        self._incident(name, kind, when, user_id=user.user_id, patient_id=study.pid, study_uid=study.uid, host=host)
        self._login(when - 40, "HV_PACS", user.user_id, host, incident=name)
        family = names.search_form(study.name).split("^")[0]
        self._asked(when, user, [(0x00100010, f"{family}^*"), (0x0020000D, "")], 1 + lot.below(4), name, host)
        for number in range(looks):
            self._opened(when + 30 + number * lot.between(60, 500), user, study.uid, study.thing, study.pid, name)
        if record:
            self._note(when + 700, "EMR", "110110", "R", self._person(user.user_id, host) + self._process("EMR"),
                       self._patient(study.pid, study.name), user=user.user_id, host=host, pid=study.pid, incident=name)
        self._login(when + 2400, "HV_PACS", user.user_id, host, kind="110123", incident=name)

    def _working(self, unit, role, first, last, stranger_to=None):
        """(user, moment) between two UTC times: somebody who is at work then, and has not seen the patient otherwise."""
        lot = self._lot
        seen = {note[10] for note in self._notes if note[11] == stranger_to}
        while True:
            when = first + lot.below(last - first)
            found = [user for user in self.staff.on_duty(unit, role, local(when)) if user.user_id not in seen]
            if found:
                return lot.pick(found), when

    def _plant(self):
        lot, staff = self._lot, self.staff
        p7 = self._study_of(self.h.truth["people"]["P7"]["pid"])
        first, last = p7.created + DAY, p7.created + 9 * DAY
        user, when = self._working("Physiotherapy", "physiotherapist", first, last, p7.pid)
        while user.user_id == staff.related("employee")[0].user_id:
            user, when = self._working("Physiotherapy", "physiotherapist", first, last, p7.pid)
        self._snoop("B1-01-1", "a colleague looks up an employee", user, p7, when, 3)
        unit = ("Ward 2A", "Ward 3B", "Ward 4C")[lot.below(3)]
        user, when = self._working(unit, "nurse", first, last, p7.pid)
        self._snoop("B1-01-2", "a nurse of a ward where she never lay looks up an employee", user, p7, when)
        vip = self._study_of(staff.related("VIP")[0].patient_id)
        user, when = self._working("Admissions", "clerk", vip.created + HOUR, min(vip.created + 5 * DAY, NOW_UTC - DAY), vip.pid)
        self._snoop("B1-01-3", "a clerk looks up a person of public interest", user, vip, when, record=True)
        neighbour = staff.related("neighbour")[0]
        study = self._study_of(neighbour.patient_id)
        when = study.created
        while not (study.created + 2 * HOUR < when < study.created + 9 * DAY and staff.user(neighbour.user_id) in staff.on_duty(
                "Health records", "clerk", local(when))):
            when = study.created + 2 * HOUR + lot.below(6 * DAY)
        self._snoop("B1-01-4", "a clerk looks up a neighbour", staff.user(neighbour.user_id), study, when)

        self._departed()
        when = seconds("2025-03-19 10:00:00") + lot.below(4 * HOUR)
        name = self._incident("B1-03-1", "a shared login at two sites within three minutes", when, user_id="ctuser",
                              host="10.20.40.13", other_host="10.60.40.15")
        self._login(when, "HV_PACS", "ctuser", "10.20.40.13", incident=name)
        self._login(when + lot.between(100, 170), "HV_PACS", "ctuser", "10.60.40.15", incident=name)

        self._needless_override()
        self._export()
        self._guessed()
        self._fished()
        user = staff.group("Imaging IT", "PACS administrator")[2]
        name = self._incident("B1-08-1", "messages of HV_PACS are missing after somebody looked into the audit log", GAP[0],
                              user_id=user.user_id, source="HV_PACS", from_utc=clock.text([GAP[0]])[0],
                              to_utc=clock.text([GAP[1]])[0], host="10.20.99.14")
        self._looked(GAP[0] - 300, user, "10.20.99.14", name)
        self._incident("B1-09-1", "a source whose clock runs ahead", SKEW[1], source=SKEW[0], seconds_ahead=SKEW[2])
        self._noise(vip, p7)
        self._trauma()
        # Of a patient without a visit nobody could tell that she is the nurse's own: the first with one, if there is any.
        pairs = [(self._study_of(one.patient_id), staff.user(one.user_id)) for one in staff.related("same surname")]
        study, user = next((pair for pair in pairs if pair[0].visit is not None), pairs[0])
        name = self._incident("B1-12-1", "a nurse opens the study of her own patient, who has her surname",
                              study.created + 420, innocent=True, user_id=user.user_id, patient_id=study.pid, study_uid=study.uid,
                              visit_pk=study.visit)
        self._opened(study.created + 420, user, study.uid, study.thing, study.pid, name)

    def _departed(self):
        user = next(one for one in self.staff.users if one.left and not one.disabled)
        when, host, lot = seconds("2025-03-26 20:14:00") + self._lot.below(HOUR), "10.20.99.31", self._lot
        name = self._incident("B1-02-1", "the account of somebody who has left is used", when, user_id=user.user_id, host=host,
                              left=user.left)
        self._login(when, "HV_PACS", user.user_id, host, incident=name)
        some = [one for one in self.studies if one.created < when and not one.deleted][-40:]
        for number in range(6):
            study = lot.pick(some)
            self._opened(when + 60 + 70 * number, user, study.uid, study.thing, study.pid, name, host)

    def _needless_override(self):
        """Nobody with an encounter or an order in these weeks: an import of Eastcliff."""
        lot = self._lot
        treated = {visit.pid for visit in self.visits.values()}
        some = [one for one in self.studies if one.station and one.station.startswith("ECC_") and one.pid not in treated
                and one.created + 9 * DAY < NOW_UTC]
        study = lot.pick(some)
        user, when = self._working("Ward 3B", "physician", study.created + 2 * DAY, study.created + 9 * DAY,
                                   study.pid)
        host = self.staff.host(user)
        name = self._incident("B1-04-1", "emergency override without an encounter", when, user_id=user.user_id,
                              patient_id=study.pid, study_uid=study.uid, host=host)
        self._login(when - 50, "HV_PACS", user.user_id, host, incident=name)
        self._override(when, user, host, study, name)
        self._opened(when + 25, user, study.uid, study.thing, study.pid, name)

    def _export(self):
        """At two in the morning, to a memory stick."""
        lot = self._lot
        user = lot.pick(self.staff.group("Clinical research", "researcher"))
        when, host = utc_of(seconds("2025-04-03 02:00:00")) + lot.below(900), self.staff.host(user)
        name = self._incident("B1-05-1", "mass export at night", when, user_id=user.user_id, host=host)
        stick = dicom.participant("USB stick, no label", False, ("110154",), media=("110030", "USB Disk Emulation"))
        self._login(when - 90, "HV_PACS", user.user_id, host, incident=name)
        some = [one for one in self.studies if one.created < when - DAY and not one.deleted]
        for number in range(48):
            study = some[-1 - number]
            self._note(when + 25 * number, "HV_PACS", "110106", "R", self._person(user.user_id, host, True, ("110153",)) + stick,
                       study.thing, user=user.user_id, host=host, pid=study.pid, uid=study.uid, incident=name)

    def _guessed(self):
        """Fourteen wrong passwords, then the right one."""
        lot, host = self._lot, "10.20.60.231"
        user = lot.pick(self.staff.group("Radiology", "radiologist"))
        when = seconds("2025-03-28 00:40:00") + lot.below(HOUR)
        name = self._incident("B1-06-1", "a burst of failed logins, then a success", when, user_id=user.user_id, host=host)
        for number in range(14):
            self._login(when + 4 * number, "HV_PACS", user.user_id, host, outcome="4" if number % 3 < 2 else "8",
                        why="Password does not match", incident=name)
        self._login(when + 61, "HV_PACS", user.user_id, host, incident=name)
        self._asked(when + 95, user, [(0x00080020, "20250301-"), (0x0020000D, "")], 200, name, host)

    def _fished(self):
        lot = self._lot
        user, when = self._working("Outpatient clinic", "nurse", seconds("2025-03-31 06:00:00"), seconds("2025-04-04 15:00:00"))
        name = self._incident("B1-07-1", "searching with wildcards through the alphabet", when, user_id=user.user_id,
                              host=self.staff.host(user))
        for number, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
            self._asked(when + 14 * number, user, [(0x00100010, f"{letter}*"), (0x0020000D, "")], lot.below(200), name)

    def _noise(self, *studies):
        """The prefetcher opens what will be needed, VIP or not."""
        when = seconds("2025-04-02 01:20:00")
        name = self._incident("B1-10-1", "a service account opens the studies of known persons at night", when, innocent=True,
                              user_id="svc_router", host="10.20.10.12")
        for number, study in enumerate(studies):
            self._note(when + 40 * number, "HV_PACS", "110103", "R",
                       self._person("svc_router", "10.20.10.12") + self._process("HV_PACS"), study.thing, user="svc_router",
                       host="10.20.10.12", pid=study.pid, uid=study.uid, incident=name)

    def _trauma(self):
        """A trauma team at night: many open one patient's study within minutes, all of them with reason."""
        lot = self._lot
        case = self.h.truth["case_17"]["study_uid"]
        some = [one for one in self.studies if one.visit in self.visits and self.visits[one.visit].kind == "E"
                and not one.deleted and one.uid != case and one.created < NOW_UTC - DAY
                and self.visits[one.visit].begins <= one.created <= self.visits[one.visit].ends]

        def hours_from_three(one):
            return abs((local(one.created) % DAY // 60 - 180 + 720) % 1440 - 720)
        study = min(some, key=lambda one: (hours_from_three(one), one.uid))
        when = study.created + 90
        name = self._incident("B1-11-1", "a trauma team opens one study many times at night", when, innocent=True,
                              patient_id=study.pid, study_uid=study.uid, visit_pk=study.visit)
        team = [user for unit, role in (("Emergency", "physician"), ("Emergency", "nurse"), ("Radiology", "radiologist"),
                                        ("Radiology", "technologist"), ("Intensive care", "physician"))
                for user in self.staff.on_duty(unit, role, local(when))[:3]]
        for user in team:
            for _ in range(3):
                self._opened(when + lot.below(1200), user, study.uid, study.thing, study.pid, name)

    # ---- the trail

    def _number(self):
        """Put the notes in order of arrival, take out what was lost, and number the rest for each source."""
        notes = sorted(self._notes, key=lambda note: note[0])
        rows, sequences, counters = [], [], {}
        lost_more = 20 + self._lot.below(30)
        self.gap_sequence = None
        for note in notes:
            source = note[1]
            if note[2] == "110100" and note[3] == "110120":
                counters[source] = 0                            # RFC 5424 7.3.1: numbering begins anew with the process
            count = counters.get(source, self._first(source)) + 1
            counters[source] = count
            if source == "HV_PACS":
                utc = note[0] // 1000
                if GAP[0] <= utc < GAP[1]:
                    self.gap_sequence = self.gap_sequence or [count, count]
                    continue
                if utc >= GAP[1] and lost_more:
                    self.gap_sequence = [(self.gap_sequence or [count])[0], count + lost_more - 1]
                    count = counters[source] = count + lost_more
                    lost_more = 0
            rows.append(note)
            sequences.append(count)
        case = self.h.truth["case_17"]
        clean = [place for place, note in enumerate(rows) if note[13] is None and note[2] != "110100"
                 and note[11] != case["temporary_id"]]
        spoilt = self._draws.sample(clean, len(rows) // 50).tolist()
        bad = {place: MALFORMED[number % 3] for number, place in enumerate(spoilt)}
        self._rows, self._sequences = rows, sequences
        whole = clock.text([note[0] // 1000 for note in rows])
        self.events = [
            Event(place + 1, f"{whole[place]}.{note[0] % 1000:03d}", note[1], note[2], note[3], note[4], note[5], note[9],
                  note[10], note[11], note[12], note[13], bad.get(place)) for place, note in enumerate(rows)]

    def _first(self, source):
        """Where a source's numbering stands when the month begins."""
        return 1000 + 37 * (sum(map(ord, source)) % 400)

    def _shown_time(self, note):
        """(EventDateTime, syslog timestamp) as the source writes them."""
        ms, source = note[0], note[1]
        utc = ms // 1000
        if source == SKEW[0] and utc >= SKEW[1]:
            utc += SKEW[2]
        zone = "Z"
        if source in ("CT_ER", "CTER01"):
            # The scanner writes its wall clock; from 30 March until it was repaired, that was still winter time.
            ahead = 2 if utc >= story.REPAIRED else 1
            utc, zone = utc + ahead * HOUR, f"+0{ahead}:00"
        text = self._clock_text(utc) + f".{ms % 1000:03d}"
        return text + ("" if source == WITHOUT_ZONE else zone), text + zone

    def _clock_text(self, utc):
        day, second = divmod(utc, DAY)
        if day not in self._days:
            self._days[day] = clock.text([day * DAY])[0][:10]
        return f"{self._days[day]}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"

    @property
    def lines(self):
        """The syslog messages, each a str without a line end, in the order of arrival."""
        if "lines" not in self.__dict__:
            self._days = {}
            self.__dict__["lines"] = [self._line(*one) for one in zip(self._rows, self._sequences, self.events)]
        return self.__dict__["lines"]

    def _line(self, note, sequence, event):
        _, source, code, kind, action, outcome, participants, objects, why, *_ = note
        _, process, msgid, bom, source_type = SOURCES.get(source, (None, "-", "DICOM+RFC3881", False, "2"))
        shown, stamp = self._shown_time(note)
        if event.malformed == "outcome 1":
            outcome = "1"
        if event.malformed == "no active participant":
            participants = ""
        xml = dicom.message(code, action, shown, participants, source, objects, outcome, kind, why, "HVGH", source_type)
        if event.malformed == "RFC 3881 attribute code":
            xml = xml.replace(' csd-code="', ' code="').replace(" originalText=", " displayName=")
        severity = dicom.WARNING if code == "110113" or outcome in ("8", "12") else dicom.NOTICE
        host = f"{source.lower().replace('_', '-')}.{DOMAIN}"
        return dicom.syslog(xml, stamp, host, source, process, msgid, sequence, severity, bom)

    def stream(self, first=0, last=None):
        """The messages as the repository received them over TLS, octet-counted: bytes."""
        return b"".join([dicom.frame(line) for line in self.lines[first:last]])

    def of(self, incident):
        """The events that show `incident` in the audit trail: a list of Event, possibly empty.

        Those of lab B1 are found by their id, a source's wrong clock by the source; any other incident by the study
        or, if no message names it, the patient that its facts name.
        """
        facts = incident.facts
        if incident.id.startswith("B1-09"):
            return [one for one in self.events if one.source == facts["source"] and one.utc >= incident.at_utc]
        if incident.id == "B1-04-2":
            return [one for one in self._found("incident", "C17") if one.event_type == "110127"]
        if incident.id.startswith(("B1-", "C17")):
            tagged = self._found("incident", incident.id)
            if incident.id != "C17":
                return tagged
            registered = [one for one in self._found("patient_id", facts["temporary_id"]) if one.event == "110110"]
            found = {*tagged, *registered, *self._found("study_uid", facts["planned_study_uid"])}
            return sorted(found, key=lambda one: one.number)
        studies = [facts[key] for key in ("study_uid", "planned_study_uid") if facts.get(key)]
        found = [one for uid in studies for one in self._found("study_uid", uid)]
        if not found:
            found = [one for key in ("patient_id", "typed_id", "temporary_id") if facts.get(key)
                     for one in self._found("patient_id", facts[key])]
        return sorted(set(found), key=lambda one: one.number)

    def _found(self, column, value):
        """The events whose `column` is `value`: a list."""
        if column not in self._index:
            held = self._index[column] = {}
            for one in self.events:
                held.setdefault(getattr(one, column), []).append(one)
        return self._index[column].get(value, [])


def incidents(h):
    """The incidents of lab B1 in hospital `h`: a list of Incident."""
    return list(h.audit.incidents)


def trace(h, incident):
    """What the audit trail shows of `incident`: a list of ``Evidence``, in order of arrival."""
    facts = incident.facts
    moments = {facts[key]: key[:-4] for key in sorted(facts) if key.endswith("_utc")}
    found = []
    for event in h.audit.of(incident):
        held = {event.patient_id, event.study_uid, event.user_id, event.host, event.source} - {None}
        ids = {key: value for key, value in facts.items()
               if isinstance(value, str) and value in held and not key.endswith("_utc")}
        utc = event.utc[:19]
        found.append(Evidence(utc, moments.get(utc, dicom.EVENTS[event.event].lower()), ids))
    return found
