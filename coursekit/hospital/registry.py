"""The regional exchange as its own machines saw it: Northmere's patient index and its document registry.

Northmere HIE opened its exchange at the beginning of the 30 days before ``h.now``; identities had been loaded before. Harbour
Vale and Eastcliff feed the patient index (IHE ITI TF-2 3.8), which gives every person a number of the region, the
only one that document entries may carry as patientId. Documents stay where they were made: the registry holds entries only.

====================  ============================================================================
HV_VNA                manifests (KOS) of Harbour Vale's studies, by themselves: IHE RAD TF-2 4.68
EMR                   reports of Harbour Vale; asks for what others know of a patient who comes in
ECC_PACS              manifests and reports of Eastcliff Clinic
ECC_PORTAL            what Eastcliff's physicians ask with
NMH_PORTAL            what general practitioners ask with
GP_AGENDA             another program of general practitioners, with a fault
====================  ============================================================================

Metadata, relationships and error codes: ITI TF-3 4.2; what a registry checks: ITI TF-2 3.42.4.1.3; queries: 3.18. Documents
themselves aren't made: their hashes and sizes are invented.
"""

import hashlib
import heapq
import zlib
from bisect import bisect_right
from functools import cached_property, lru_cache
from typing import NamedTuple

from coursekit.hospital import clock, names, story, world
from coursekit.hospital.audit import Lot
from coursekit.hospital.clock import DAY, HOUR, NOW_UTC
from coursekit.hospital.draws import Draws
from coursekit.hospital.flow import digits, flow, local_digits, locked_out, seconds_of, span
from coursekit.hospital.incidents import MANIFEST_REFUSED, Evidence, Incident
from coursekit.hospital.staff import STREETS

OIDS = {name: oid for _, name, oid in world.ISSUERS}
# Who speaks with Northmere: IPv4 address, and for those that keep documents their repositoryUniqueId.
SOURCES = {
    "HV_VNA": ("10.20.10.40", "2.999.1.1.71"), "EMR": ("10.20.20.30", "2.999.1.1.72"), "ECC_PACS": ("10.60.10.10", "2.999.1.2.71"),
    "ECC_PORTAL": ("10.60.10.20", None), "NMH_PORTAL": ("10.80.0.20", None), "GP_AGENDA": ("10.80.4.9", None),
}
# Code sets of the affinity domain, which is free to choose them.
CLASSES, PRACTICES, FACILITIES, PROCEDURES = "2.999.1.9.11", "2.999.1.9.12", "2.999.1.9.13", "2.999.1.9.14"
LOINC, DCM, DICOM_UIDS, IHE_FORMATS = ("2.16.840.1.113883.6.1", "1.2.840.10008.2.16.4", "1.2.840.10008.2.6.1",
                                       "1.3.6.1.4.1.19376.1.2.3")
KOS = ("1.2.840.10008.5.1.4.1.1.88.59", DICOM_UIDS, "Key Object Selection Document")
FORMATS = {"application/dicom": KOS, "text/xml": ("urn:ihe:rad:TEXT", IHE_FORMATS, "Radiology XDS-I Text"),
           "application/pdf": ("urn:ihe:rad:PDF", IHE_FORMATS, "Radiology XDS-I PDF")}
IMAGES, REPORT = ("IMAGES", CLASSES, "Images"), ("REPORT", CLASSES, "Report")
REPORT_TYPE = ("18748-4", LOINC, "Diagnostic imaging study")
NORMAL = ("N", "2.16.840.1.113883.5.25", "normal")
SETTINGS = {"XA": "CARD", "IVUS": "CARD", "IVOCT": "CARD", "IO": "DENT", "PX": "DENT", "NM": "NUC", "PT": "NUC", "XC": "WOUND"}
SETTING_NAMES = {"RAD": "Radiology", "CARD": "Cardiology", "DENT": "Dentistry", "NUC": "Nuclear medicine", "WOUND": "Wound care"}
HOSPITAL, CLINIC = ("HOSP", FACILITIES, "Hospital"), ("CLIN", FACILITIES, "Clinic")
ACCESSION, STUDY = "urn:ihe:iti:xds:2013:accession", "urn:ihe:iti:xds:2016:studyInstanceUID"
APPROVED, DEPRECATED = "Approved", "Deprecated"
STATUS_TYPE = "urn:oasis:names:tc:ebxml-regrep:StatusType:"
# ITI TF-2 3.18.4.1.2.3.7
QUERIES = {"FindDocuments": "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d",
           "FindDocumentsByReferenceId": "urn:uuid:12941a89-e02e-4be5-967c-ce4bfc8fe492"}
SUCCESS, PARTIAL, FAILURE = "Success", "PartialSuccess", "Failure"
# The VNA publishes what nobody has reported of an emergency so long after it came.
UNREPORTED = MANIFEST_REFUSED - story.RECEIVED
RETRY = 900                             # seconds until a source tries a busy registry again
KINDS = {
    "F8-01": "images were rejected, but their manifest was not replaced",
    "F8-02": "document uniqueId used again for another content",
    "F8-03": "document under a patient ID of the local domain in a set of the region's",
    "F8-04": "merge that never reached the region",
    "F8-05": "malformed time in a document entry",
    "F8-06": "replacement that names its target by a symbolic id",
    "F8-07": "submission sent again though it had been accepted",
    "F8-08": "two persons linked as one",
    "F8-09": "one person not linked",
    "F8-10": "consumer asks one repository for all documents",
    "F8-11": "registry too busy to answer",
}


class FeedEvent(NamedTuple):
    """A message of the patient identity feed, ITI-8, as Northmere's index received and answered it.

    at_utc     : 'YYYY-MM-DD HH:MM:SS'
    trigger    : A01, A04, A08, A40; A34 is no event of ITI-8
    domain     : HVGH or ECC; the assigning authority of the IDs
    patient_id : PID-3.1; for a merge the surviving one
    retired_id : MRG-1.1, else None
    name, birth_date, sex, address : PID-5 as DICOM PN, PID-7 as 'YYYY-MM-DD' or None, PID-8 (U: not known), PID-11
    answer, error : MSA-1, and ERR-3 (table 0357) or None
    master_id  : the region's ID of the person afterwards; None when refused
    """

    at_utc: str
    trigger: str
    domain: str
    patient_id: str
    retired_id: str | None
    name: str
    birth_date: str | None
    sex: str
    address: str
    answer: str
    error: str | None
    master_id: str | None


class DocumentEntry(NamedTuple):
    """A document entry of the registry (ITI TF-3 4.2.3.2); codes are (code, coding scheme, meaning).

    entry_uuid, unique_id, submission_set, repository : 'urn:uuid:...'; OIDs, of the set its uniqueId
    source            : who sent it, a name of SOURCES
    patient_id        : CX of the region; after a merge the surviving one
    source_patient_id : CX of the domain where it was made
    creation_time, service_start, service_stop : 'YYYYMMDDHHMMSS', UTC
    hash, size        : SHA-1 as 40 hexadecimal digits, bytes
    reference_ids     : tuple of CXi: accession number, Study Instance UID
    replaces          : entry_uuid of the entry that this one replaced (RPLC), or None
    status            : Approved or Deprecated
    registered_utc    : 'YYYY-MM-DD HH:MM:SS'
    """

    entry_uuid: str
    unique_id: str
    submission_set: str
    source: str
    patient_id: str
    source_patient_id: str
    class_code: tuple
    type_code: tuple
    format_code: tuple
    mime_type: str
    event_codes: tuple
    practice_setting: tuple
    facility_type: tuple
    confidentiality: tuple
    language: str
    title: str
    creation_time: str
    service_start: str
    service_stop: str
    hash: str
    size: int
    repository: str
    reference_ids: tuple
    replaces: str | None
    status: str
    registered_utc: str


class RegistryError(NamedTuple):
    """An error of a response (ITI TF-3 4.2.4.1). All of them here have the severity Error."""

    code: str
    context: str


class Transaction(NamedTuple):
    """A request and its answer.

    at_utc      : 'YYYY-MM-DD HH:MM:SS'
    transaction : ITI-42 Register Document Set-b, ITI-18 Registry Stored Query, ITI-43 Retrieve Document Set, RAD-69 Retrieve
                  Imaging Document Set
    source      : who asked, a name of SOURCES
    patient_id  : CX as sent; None if the request names no patient
    query, keys : for ITI-18 the stored query's name, and a dict of its parameters as written; else None, {}
    documents   : uniqueIds submitted, found or asked for, a tuple; for RAD-69 the Study Instance UID
    references  : reference IDs of the documents submitted (ITI-42), a tuple
    count       : documents registered (ITI-42), entries returned (ITI-18), documents or instances returned (ITI-43, RAD-69)
    status      : Success, PartialSuccess or Failure
    errors      : tuple of RegistryError
    """

    at_utc: str
    transaction: str
    source: str
    patient_id: str | None
    query: str | None
    keys: dict
    documents: tuple
    references: tuple
    count: int
    status: str
    errors: tuple

    @property
    def text(self):
        """The line of the log: fields 'name=value' separated by blanks, values without blanks."""
        parts = [self.at_utc.replace(" ", "T") + "Z", self.transaction, f"from={self.source}/{SOURCES[self.source][0]}"]
        if self.patient_id:
            parts.append(f"patient={self.patient_id}")
        if self.query:
            parts.append(f"query={self.query}")
            parts += [f"{key}={value}" for key, value in self.keys.items()]
        named = "study" if self.transaction == "RAD-69" else "documents"
        parts += [f"{name}={','.join(values)}" for name, values in ((named, self.documents), ("refs", self.references)) if values]
        parts.append(f"count={self.count} status={self.status}")
        parts += [f"error={error.code}({error.context.replace(' ', '_')})" for error in self.errors]
        return " ".join(parts)


class Identity(NamedTuple):
    """What the feed says of a person; `person` is who it really is."""

    domain: str
    pid: str
    name: str
    birth_date: str | None
    sex: str
    address: str
    person: str


def cx(pid, domain):
    """`pid` of `domain` as the CX of document sharing (ITI TF-3 4.2.3.1.7): no namespace, an OID, ISO."""
    return f"{pid}^^^&{OIDS[domain]}&ISO"


def urn(seed, name):
    """A UUID of version 5 form (RFC 4122 4.3) for `name` of edition `seed`, as a URN."""
    made = bytearray(hashlib.sha1(f"{seed} {name}".encode()).digest()[:16])
    made[6], made[8] = made[6] & 0x0F | 0x50, made[8] & 0x3F | 0x80
    text = made.hex()
    return f"urn:uuid:{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def moment(utc):
    """'YYYY-MM-DD HH:MM:SS' of seconds."""
    text = digits(utc)
    return f"{text[:4]}-{text[4:6]}-{text[6:8]} {text[8:10]}:{text[10:12]}:{text[12:]}"


def reference(value, domain):
    """The accession number `value` of `domain` as a CXi of referenceIdList (ITI TF-3 4.2.3.2.28)."""
    return f"{value}^^^&{OIDS[domain]}&ISO^{ACCESSION}"


class Draft(NamedTuple):
    """A document before it is sent. `local`: patient ID in `domain`, or the key of a patient record of the archive.

    filed_under is the entry's patientId where the source puts in something else than the region's ID, else None.
    """

    unique_id: str
    local: str | int
    domain: str
    study_uid: str
    accession: str | None
    issuer: str
    modality: str
    kind: tuple
    type_code: tuple
    mime: str
    amount: int
    size: int
    start: str
    stop: str
    title: str
    version: int = 1
    filed_under: str | None = None

    @property
    def submission_set(self):
        """The uniqueId of the set in which it is sent: a set for each version of a document."""
        return f"2.999.121{self.unique_id[9:-1]}{self.version}"

    def revised(self):
        """The document that replaces this one."""
        return self._replace(version=2, unique_id=self.unique_id[:-1] + "2")


class Index:
    """The Patient Identifier Cross-reference Manager: which local IDs are one person.

    A new ID joins a person of the other domain if family and given name, birth date and sex are the same, and only one person
    fits. IDs of one domain become one by a merge alone.
    """

    def __init__(self, seed, loaded):
        self.lot, self.last = Lot(Draws(seed, "region masters")), 4_100_000
        self.links, self.members, self.alike, self.alias, self.retired = {}, {}, {}, {}, {}
        for identity in loaded:
            self.admit(identity)

    def living(self, master):
        while master in self.alias:
            master = self.alias[master]
        return master

    def admit(self, who):
        """(answer, error, master ID) to an A01, A04 or A08."""
        key = who.domain, who.pid
        if key in self.retired:
            return "AE", "204", None
        if key not in self.links:
            traits = names.search_form(who.name), who.birth_date, who.sex
            same = [] if who.birth_date is None else list(dict.fromkeys(map(self.living, self.alike.get(traits, ()))))
            same = [master for master in same if all(domain != who.domain for domain, _ in self.members[master])]
            if len(same) == 1:
                master = same[0]
            else:
                self.last += self.lot.between(1, 9)
                master = f"NM{self.last}"
                self.members[master] = []
            self.links[key] = master
            self.members[master].append(key)
            self.alike.setdefault(traits, []).append(master)
        return "AA", None, self.links[key]

    def merge(self, domain, surviving, retired):
        """(answer, error, master ID) to an A40: both IDs must be known and living (ITI TF-2 3.8)."""
        survivor, old = (domain, surviving), (domain, retired)
        if surviving == retired or survivor not in self.links or old not in self.links:
            return "AE", "204", None
        gone, kept = self.links.pop(old), self.links[survivor]
        self.members[gone].remove(old)
        self.retired[old] = survivor
        if gone != kept:
            for key in self.members.pop(gone):
                self.links[key] = kept
                self.members[kept].append(key)
            self.alias[gone] = kept
        return "AA", None, kept

    def take(self, trigger, who, retired_id):
        """(answer, error, master ID) to a message of the feed."""
        if trigger == "A34":
            return "AR", "201", None
        if trigger == "A40":
            return self.merge(who.domain, who.pid, retired_id)
        return self.admit(who)


class Store:
    """The Document Registry: entries, and what it answers."""

    def __init__(self, index):
        self.index, self.entries, self.by_uid, self.of_patient, self.by_reference = index, {}, {}, {}, {}
        self.sets, self.busy = set(), (0, 0)

    def known(self, patient_id):
        """The living master ID of a CX that the index has told the registry, or None."""
        pid, _, authority = patient_id.partition("^^^")
        master = self.index.living(pid)
        return master if authority == f"&{OIDS['NMH']}&ISO" and pid in self.index.members else None

    def complaints(self, at, set_patient, entry, target):
        """What is wrong with a submission, a list of RegistryError (ITI TF-2 3.42.4.1.3)."""
        if self.busy[0] <= at < self.busy[1]:
            return [RegistryError("XDSRegistryBusy", "try again later")]
        if entry.patient_id != set_patient:
            return [RegistryError("XDSPatientIdDoesNotMatch", f"document {entry.patient_id}, submission set {set_patient}")]
        if not self.known(entry.patient_id):
            return [RegistryError("XDSUnknownPatientId", entry.patient_id)]
        if entry.submission_set in self.sets:
            return [RegistryError("XDSDuplicateUniqueIdInRegistry", entry.submission_set)]
        found = []
        before = self.by_uid.get(entry.unique_id)
        if before and self.entries[before].hash != entry.hash:
            found.append(RegistryError("XDSNonIdenticalHash", entry.unique_id))
        if before and self.entries[before].size != entry.size:
            found.append(RegistryError("XDSNonIdenticalSize", entry.unique_id))
        if target and target not in self.entries:
            found.append(RegistryError("UnresolvedReferenceException", target))
        elif target and self.entries[target].status != APPROVED:
            found.append(RegistryError("XDSRegistryDeprecatedDocumentError", target))
        return found

    def register(self, entry):
        if entry.replaces:
            self.entries[entry.replaces] = self.entries[entry.replaces]._replace(status=DEPRECATED)
        self.sets.add(entry.submission_set)
        self.entries[entry.entry_uuid] = entry
        self.by_uid[entry.unique_id] = entry.entry_uuid
        self.of_patient.setdefault(self.known(entry.patient_id), []).append(entry.entry_uuid)
        for value in entry.reference_ids:
            self.by_reference.setdefault(value, []).append(entry.entry_uuid)

    def merged(self, gone, kept):
        """A merge of two persons of the region: what was filed under the one is found under the other."""
        for uuid in self.of_patient.pop(gone, ()):
            self.entries[uuid] = self.entries[uuid]._replace(patient_id=cx(kept, "NMH"))
            self.of_patient.setdefault(kept, []).append(uuid)

    def find(self, master, value=None, modality=None, since=None):
        """The approved entries of a person, as FindDocuments or, with the `value` of a reference ID, its sister selects them."""
        chosen = self.of_patient.get(master, ()) if value is None else self.by_reference.get(value, ())
        found = [self.entries[uuid] for uuid in chosen]
        return [entry for entry in found if entry.status == APPROVED and entry.patient_id == cx(master, "NMH")
                and (modality is None or any(code == modality for code, _, _ in entry.event_codes))
                and (since is None or entry.service_start >= since)]


class Region:
    """Thirty days of the exchange: first who will do what when is planned, then it is played in order of time."""

    def __init__(self, h):
        self.h, self.seed = h, h.seed
        self.since, self.until = span()
        self.flow = flow(h, self.since, self.until)
        # In an order of our own: SQLite is free to answer in any.
        self.studies = sorted(self.flow.studies.values())
        self.lot = Lot(Draws(h.seed, "region"))
        self.agenda, self.planted, self.persons, self.plans = [], [], {}, 0
        self.events, self.log, self.refused, self.rejected, self.amounts = [], [], [], {}, {}
        truth = h.truth
        self.case = truth["case_17"]
        self.typed = set(truth["typed_for"]) | {self.case["typed_patient_pk"]}
        self.told = {known["patient_pk"] for known in truth["people"].values()}
        twins = {pk for pair in truth["planted"]["twins"] for pk in pair}
        self.imports = set(truth["planted"]["eastcliff import"])
        self.reported = self.reports()
        self.loaded = self.load()
        self.feed_of_the_hospital()
        self.feed_of_the_clinic()
        self.neighbours(twins)
        self.documents_of_the_hospital()
        self.documents_of_the_clinic()
        self.merge_not_told()
        self.visits()
        self.play(self.rush())

    # Who is who

    def does(self, at, action, *what):
        """Put an action on the agenda, if it falls into the 30 days."""
        if self.since <= at < self.until - 60:
            self.plans += 1
            heapq.heappush(self.agenda, (at, self.plans, action, what))

    def office(self, at):
        """A moment soon after `at` at which practices and clinics work: Monday to Friday, 7 to 16 h UTC."""
        day = at // DAY
        if (day + 3) % 7 > 4 or at % DAY > 13 * HOUR:
            day += 1
        day += {5: 2, 6: 1}.get((day + 3) % 7, 0)
        return max(at, day * DAY + 7 * HOUR) + self.lot.below(3 * HOUR)

    def plant(self, kind, at, **facts):
        self.planted.append((kind, at, facts))

    def address(self, person, town):
        word = zlib.crc32(f"{self.seed} {person}".encode())
        return f"{STREETS[word % len(STREETS)]} {1 + word // 64 % 140}, {town}"

    def identity(self, patient):
        """A patient record of the archive as the feed tells it."""
        last = patient
        while last.merged_into is not None:
            last = self.flow.patients[last.merged_into]
        person = self.person_of(last.pk, last.pid)
        town = "Eastcliff" if person.startswith("EC-") else "Harbour Vale"
        return self.meet(Identity(patient.issuer, patient.pid, patient.name.split("=")[0], patient.birth_date, patient.sex or "U",
                                  self.address(person, town), person))

    def person_of(self, number, pid):
        """The first ID of the person whose patient record has the key `number`: two of the story have records that no merge ties."""
        people = self.h.truth["people"]
        if number == people["P5 at Eastcliff"]["patient_pk"]:
            return people["P5"]["pid"]
        return self.case["patient_id"] if number == self.case["temporary_patient_pk"] else pid

    def meet(self, identity):
        self.persons[identity.domain, identity.pid] = identity.person
        return identity

    def load(self):
        """Who was in the index before the exchange opened: a list of Identity."""
        records = [patient for patient in self.flow.patients.values()
                   if patient.created < self.since and patient.pk not in self.typed
                   and not (patient.merged_into is not None and patient.updated < self.since)]
        loaded = [self.identity(patient) for patient in records]
        number = self.h.truth["people"]["P5 at Eastcliff"]["patient_pk"]
        if number not in self.flow.patients:
            loaded.append(self.meet(self.stored(number)))
        for kind in ("E1-03", "E1-04"):
            survivor = self.incident(kind)["surviving_pk"]
            if survivor not in self.flow.patients or self.flow.patients[survivor].created >= self.since:
                loaded.append(self.meet(self.stored(survivor)))
        return loaded

    def incident(self, kind):
        return next(incident.facts for incident in self.h.incidents if incident.id.startswith(kind))

    def stored(self, number):
        """A patient of Eastcliff as the archive holds it."""
        pid, name, birth, sex = self.h.pacs.rows(f"SELECT pid, name, birth_date, sex FROM patient WHERE pk = {number}")[1][0]
        person = self.person_of(number, pid)
        town = "Harbour Vale" if person != pid else "Eastcliff"
        return Identity("ECC", pid, name.strip().rstrip("^"), birth, sex or "U", self.address(person, town), person)

    def feed_of_the_hospital(self):
        """What HIS sent, passed on by the engine: A28 as A04 and A31 as A08, for ITI-8 has neither."""
        seen, met = {}, {}
        sent = [message for message in self.h.feed if message.sender == "HIS" and message.event[4:] in PASSED_ON]
        by_pid = {patient.pid: patient for patient in self.flow.patients.values()
                  if patient.issuer == "HVGH" and patient.pk not in self.typed}
        for message, at in zip(sent, seconds_of([message.at_utc for message in sent])):
            fields = {line[:3]: line.split("|") for line in message.text.split("\r")}
            pid = fields["PID"][3].split("^")[0]
            if pid not in met:
                known = by_pid.get(pid)
                met[pid] = self.identity(known) if known else self.meet(Identity(
                    "HVGH", pid, "^".join(fields["PID"][5].split("^")[:2]), "1900-01-01", "O", self.address(pid, "Harbour Vale"), pid))
            retired = fields["MRG"][1].split("^")[0] if "MRG" in fields else None
            trigger = PASSED_ON[message.event[4:]]
            seen.setdefault(pid, at)
            self.does(at + 1, self.hear, trigger, met[pid], retired)
        for patient in by_pid.values():
            if patient.created >= self.since and seen.get(patient.pid, NOW_UTC) > patient.created:
                self.does(patient.created + 1, self.hear, "A04", self.identity(patient), None)

    def feed_of_the_clinic(self):
        for patient in self.flow.patients.values():
            if patient.issuer == "ECC" and patient.created >= self.since:
                self.does(patient.created, self.hear, "A04", self.identity(patient), None)
        exchanged = self.incident("E1-03")
        who = next(one for one in self.loaded if one.pid == exchanged["surviving_id"])
        self.does(clock.seconds(exchanged["merged_utc"]), self.hear, "A40", who._replace(pid=exchanged["retired_id"]), who.pid)
        number = self.new_number()
        self.guest(self.flow.patients[self.case["patient_pk"]], number, story.PARTNER_ASKED - 300)
        self.does(story.PARTNER_ASKED, self.ask, "ECC_PORTAL", ("ECC", number), None, "CT", "20250330")

    def new_number(self):
        """A number of Eastcliff's registration desk that the archive has never seen."""
        while True:
            number = f"EC-{self.lot.between(10_000, 19_999)}"
            if ("ECC", number) not in self.persons:
                return number

    def guest(self, patient, number, at, name=None, birth=None, person=None):
        """Somebody of Harbour Vale, or somebody who looks like one, comes to Eastcliff; at None: long ago."""
        known = self.identity(patient)
        who = known._replace(domain="ECC", pid=number, name=name or "^".join(known.name.split("^")[:2]),
                             birth_date=birth or known.birth_date, person=person or known.person)
        if person:
            who = who._replace(address=self.address(person, "Eastcliff"))
        self.meet(who)
        if at is None:
            self.loaded.append(who)
        else:
            self.does(at, self.hear, "A04", who, None)
        return who

    def neighbours(self, twins):
        """People known in both domains; one of them isn't recognised, and one who isn't the same is taken for the same."""
        traits = {}
        for patient in self.flow.patients.values():
            if patient.issuer == "HVGH":
                key = names.search_form(patient.name), patient.birth_date
                traits.setdefault(key, []).append(patient.pk)
        able = [patient for patient in self.flow.patients.values()
                if patient.issuer == "HVGH" and patient.merged_into is None and patient.birth_date and patient.sex in ("F", "M")
                and patient.created < self.since and patient.pk not in self.typed | self.told | twins
                and len(traits[names.search_form(patient.name), patient.birth_date]) == 1]
        # A guest whose documents are there to be found: reported in the first three weeks.
        early = {study.patient_pk for study in self.studies if self.publishable(study)
                 and self.reported.get(study.pk, (NOW_UTC,))[0] < self.until - 8 * DAY}
        rich = [patient for patient in able if patient.pk in early]
        chosen = self.sample(rich, 2 + max(2, len(able) // 120)) + self.sample([one for one in able if one.pk not in early],
                                                                             max(2, len(able) // 120))
        fused, missed, *rest = chosen
        self.spared = self.told | {fused.pk, missed.pk}
        self.guests = []
        for place, patient in enumerate(rest):
            at = self.office(self.since + DAY + self.lot.below(24 * DAY))
            known_before = place % 2 == 1
            who = self.guest(patient, self.new_number(), None if known_before else at)
            if known_before:
                self.does(at, self.hear, "A08", who, None)
            self.guests.append((who, at, patient))
            self.spared.add(patient.pk)
        self.mix_up(fused)
        self.overlook(missed)

    def sample(self, some, count):
        """Up to `count` of a list, in its order."""
        places = sorted(range(len(some)), key=lambda _: self.lot.below(1 << 30))[:count]
        return [some[place] for place in sorted(places)]

    def published_by(self, patient):
        """When the first report about a patient is there."""
        return min(self.reported[study.pk][0] for study in self.studies
                   if study.patient_pk == patient.pk and study.pk in self.reported and self.publishable(study))

    def mix_up(self, patient):
        at = self.office(self.published_by(patient) + DAY + self.lot.below(DAY))
        number = self.new_number()
        who = self.guest(patient, number, at, person=number)
        self.does(at + 1200, self.ask, "ECC_PORTAL", ("ECC", number))
        self.plant("F8-08", at, ecc_id=number, patient_id=patient.pid, patient_name=who.name, linked_utc=moment(at),
                   asked_utc=moment(at + 1200))

    def overlook(self, patient):
        at = self.office(self.published_by(patient) + DAY + self.lot.below(DAY))
        year, month, day = patient.birth_date.split("-")
        name, birth = "^".join(patient.name.split("=")[0].split("^")[:2]), f"{year}-{day}-{month}"
        if int(day) > 12 or day == month:
            birth, family = patient.birth_date, name.split("^")[0]
            name = name.replace(family, family[:-2] + family[-1] + family[-2] if family[-1] != family[-2] else family[:-1], 1)
        number = self.new_number()
        self.guest(patient, number, at, name, birth)
        self.does(at + 900, self.ask, "ECC_PORTAL", ("ECC", number))
        self.plant("F8-09", at, ecc_id=number, patient_id=patient.pid, ecc_name=name, ecc_birth_date=birth,
                   registered_utc=moment(at), asked_utc=moment(at + 900))

    # Documents

    def reports(self):
        """When each study's report was final and when corrected: {study pk: (final, corrected or None, mime type, bytes)}."""
        found = {}
        sent = [message for message in self.h.feed if message.receiver == "EMR" and message.event == "ORU^R01"
                and message.control_id[-1] in "FC"]
        for message, at in zip(sent, seconds_of([message.at_utc for message in sent])):
            pk = int(message.control_id[1:-1])
            if message.control_id[-1] == "F":
                found[pk] = at, None, "application/pdf" if "base64 PDF" in message.quirks else "text/xml", len(message.bytes)
            elif pk in found:
                found[pk] = found[pk][0], at, *found[pk][2:]
        return found

    def publishable(self, study):
        """Whether a study of Harbour Vale has something to publish."""
        return bool(study.series) and not study.deleted and study.pk not in self.imports

    def documents_of_the_hospital(self):
        f = self.flow
        manifests, reports = [], []
        for study in self.studies:
            if not self.publishable(study):
                continue
            order = f.orders.get(study.order_pk)
            final, corrected, mime, length = self.reported.get(study.pk, (None, None, None, None))
            visit = f.visits.get(order.visit_pk) if order else None
            emergency = locked_out(study) or visit is not None and visit.kind == "E" and study.complete
            late = study.created + UNREPORTED + (0 if study.pk == self.case["study_pk"] else self.lot.between(0, 600))
            times = [when for when in (final and final + 60 + self.lot.below(600), emergency and late) if when]
            if times:
                manifests.append((min(times), study, order))
            if final:
                reports.append((final + 20 + self.lot.below(40), study, order, corrected, mime, length))
        manifests.sort(key=lambda one: (one[0], one[1].pk))
        reports.sort(key=lambda one: (one[0], one[1].pk))
        self.publish_manifests(manifests)
        self.publish_reports(reports)

    def ordinary(self, patient_pk):
        """Whether nothing else has been planned for a patient, so that a fault may be."""
        return patient_pk not in self.spared and self.flow.patients[patient_pk].merged_into is None

    def publish_manifests(self, manifests):
        settled = [one for one in manifests if self.since <= one[0] < self.until - 7 * DAY and one[1].pk in self.reported
                   and one[1].accession and self.amount(one[1]) > 3 and self.ordinary(one[1].patient_pk)]
        chosen = self.sample(settled, max(4, len(settled) // 60))
        share = max(1, len(settled) // 800)
        faults = {one[1].pk: "F8-01" for one in chosen[:share]}
        faults.update({one[1].pk: "F8-06" for one in chosen[share:2 * share]})
        faults.update({one[1].pk: "F8-07" for one in chosen[2 * share:3 * share]})
        faults.update({one[1].pk: "replaced" for one in chosen[3 * share:]})
        self.stale = {one[1].pk for one in chosen[:share]}
        for at, study, order in manifests:
            draft = self.manifest(study, order)
            self.does(at, self.submit, "HV_VNA", draft)
            fault = faults.get(study.pk)
            if fault == "F8-07":
                again = at + 95 + self.lot.below(30)
                self.does(again, self.submit, "HV_VNA", draft)
                self.plant(fault, again, **self.facts(at, draft), submission_set=draft.submission_set, registered_utc=moment(at),
                           refused_utc=moment(again))
            elif fault:
                self.correct(at, study, draft, fault)

    def correct(self, at, study, draft, fault):
        """Some images are rejected (IHE IOCM) and made anew, so the manifest has to be replaced: RAD TF-2 4.68.4.1.2.1."""
        when = at + 2 * HOUR + self.lot.below(30 * HOUR)
        count = self.lot.between(1, 2)
        self.does(when, self.reject, study, count)
        if fault == "F8-01":
            asked = self.office(when + 2 * HOUR)
            facts = self.facts(at, draft)
            self.does(asked, self.look, "NMH_PORTAL", ("HVGH", facts["patient_id"]), study, draft.issuer)
            self.plant(fault, when, **facts, consumer="NMH_PORTAL", corrected_utc=moment(when), asked_utc=moment(asked),
                       retrieved_utc=moment(asked + 6), n_rejected=count)
            return
        newer, when = draft.revised(), when + 200
        if fault == "F8-06":
            self.does(when, self.submit, "HV_VNA", newer, "Document01")
            self.plant(fault, when, **self.facts(when, newer), replaced_uid=draft.unique_id, refused_utc=moment(when))
        else:
            self.does(when, self.submit, "HV_VNA", newer, draft.unique_id)
            self.does(when, self.reject, study, 0)

    def publish_reports(self, reports):
        quiet = [one for one in reports if self.since <= one[0] < self.until - 2 * DAY and not one[3]
                 and self.ordinary(one[2].patient_pk)]
        share = max(1, len(quiet) // 600)
        chosen = self.sample(quiet, 3 * share)
        faults = {one[1].pk: ("F8-02", "F8-03", "F8-05")[place % 3] for place, one in enumerate(chosen)}
        self.quiet = [(at, study.pk) for at, study, *_ in quiet if study.pk not in faults]
        for at, study, order, corrected, mime, length in reports:
            draft, fault = self.report(study, order, mime, length), faults.get(study.pk)
            facts = self.facts(at, draft)
            if fault == "F8-03":
                draft = draft._replace(filed_under=cx(facts["patient_id"], "HVGH"))
                self.plant(fault, at, **facts, filed_under=draft.filed_under, refused_utc=moment(at))
            elif fault == "F8-05":
                forms = f"{draft.start[:8]}T{draft.start[8:]}", local_digits(study.began)
                draft = draft._replace(start=forms[study.pk % 2])
                self.plant(fault, at, **facts, service_start=draft.start, registered_utc=moment(at))
            self.does(at, self.submit, "EMR", draft)
            if fault == "F8-02":
                again = at + 2 * HOUR + self.lot.below(20 * HOUR)
                self.does(again, self.submit, "EMR", draft._replace(version=2, size=draft.size + self.lot.between(12, 200)))
                self.plant(fault, again, **facts, registered_utc=moment(at), refused_utc=moment(again))
            if corrected:
                self.does(corrected + 40, self.submit, "EMR", draft.revised()._replace(size=draft.size + 60), draft.unique_id)
            if order.visit_pk is None and study.accession == order.accession and study.pk not in self.stale:
                self.practitioner(at, study, order, fault is None and self.ordinary(order.patient_pk))

    def practitioner(self, at, study, order, plain):
        """The general practitioner of somebody referred from outside reads what was found."""
        chance = self.lot.below(100)
        first = plain and self.since <= at < self.until - 5 * DAY and not any(kind == "F8-10" for kind, _, _ in self.planted)
        if not first and chance >= 40:
            return
        when = self.office(at + HOUR)
        source = "GP_AGENDA" if first or chance < 5 else "NMH_PORTAL"
        self.does(when, self.look, source, ("HVGH", self.local_of(order.patient_pk, when)), study, order.issuer)
        if first:
            self.plant("F8-10", when, consumer=source, study_uid=study.uid, accession=study.accession, asked_utc=moment(when),
                       retrieved_utc=moment(when + 4), manifest_uid=f"2.999.120.1.{study.pk}.1",
                       document_uid=f"2.999.120.2.{study.pk}.1")

    def documents_of_the_clinic(self):
        """Manifests of studies that Harbour Vale imported, and what its guests were examined for."""
        f = self.flow
        for study in self.studies:
            if study.pk in self.imports and study.series and not study.deleted:
                self.does(study.began - 1500, self.hear, "A04", self.identity(f.patients[study.patient_pk]), None)
                draft = self.draft(study, None, f"2.999.120.3.{study.pk}.1", IMAGES)
                self.does(study.began + 2 * HOUR + self.lot.below(3 * HOUR), self.submit, "ECC_PACS", draft)
        for number, (who, at, _) in enumerate(self.guests, 1):
            self.does(at + 900, self.ask, "ECC_PORTAL", ("ECC", who.pid))
            modality = ("US", "DX", "CT")[self.lot.below(3)]
            manifest = self.foreign(number, who.pid, at, modality)
            self.does(at + 3 * HOUR, self.submit, "ECC_PACS", manifest)
            report = self.as_report(manifest, f"2.999.120.5.{number}.1", 4100 + self.lot.below(900))
            self.does(at + 5 * HOUR, self.submit, "ECC_PACS", report)

    def foreign(self, number, pid, at, modality):
        """The manifest of an examination at Eastcliff that Harbour Vale knows nothing of."""
        title = {"US": "US ABDOMEN", "DX": "DX CHEST", "CT": "CT HEAD"}[modality]
        return Draft(f"2.999.120.4.{number}.1", pid, "ECC", f"2.999.301.1.{number}", f"E{digits(at)[2:8]}9{number:04d}", "ECC",
                     modality, IMAGES, ("EC." + modality, PROCEDURES, title), "application/dicom", 12, self.size_of(12),
                     digits(at + 1800), digits(at + 2700), title)

    def as_report(self, draft, uid, size, mime="text/xml"):
        return draft._replace(unique_id=uid, kind=REPORT, type_code=REPORT_TYPE, mime=mime, amount=0, size=size)

    def merge_not_told(self):
        """Eastcliff merges by A34, which ITI-8 doesn't know: the region keeps two persons."""
        facts = self.incident("E1-04")
        at, survivor = clock.seconds(facts["merged_utc"]), self.stored(facts["surviving_pk"])
        old = self.meet(survivor._replace(pid=facts["retired_id"]))
        self.does(at - 30 * HOUR, self.hear, "A04", old, None)
        uid, registered = "2.999.120.5.9001.1", at - 26 * HOUR
        draft = self.as_report(self.foreign(9001, old.pid, at - 30 * HOUR, "US"), uid, 4402)
        self.does(registered, self.submit, "ECC_PACS", draft)
        self.does(at, self.hear, "A34", survivor, old.pid)
        asked = self.office(at + HOUR + self.lot.below(2 * DAY))
        self.does(asked, self.ask, "ECC_PORTAL", ("ECC", survivor.pid))
        self.does(asked + 180, self.ask, "ECC_PORTAL", ("ECC", old.pid))
        self.plant("F8-04", at, retired_id=old.pid, surviving_id=survivor.pid, merged_utc=moment(at), document_uid=uid,
                   registered_utc=moment(registered), asked_utc=moment(asked), asked_old_utc=moment(asked + 180))

    def visits(self):
        """Whoever comes to Harbour Vale: the EMR asks what others know, more often in an emergency."""
        for visit in sorted(self.flow.visits.values()):
            if self.lot.below(6) < (3 if visit.kind == "E" else 1) and self.flow.patients[visit.patient_pk].issuer == "HVGH":
                when = visit.admitted + 600 + self.lot.below(900)
                self.does(when, self.ask, "EMR", ("HVGH", self.local_of(visit.patient_pk, when)))
        for _, at, patient in self.guests:
            self.does(at + 2 * DAY, self.ask, "EMR", ("HVGH", patient.pid))

    def rush(self):
        """A quarter of an hour in which the registry answers nobody; no other fault is near it."""
        taken = [clock.seconds(value) for _, _, facts in self.planted for key, value in facts.items() if key.endswith("_utc")]
        taken = sorted([*taken, MANIFEST_REFUSED, story.PARTNER_ASKED])
        free = [(at, pk) for at, pk in self.quiet if bisect_right(taken, at - 1800) == bisect_right(taken, at + 1800)]
        (at, pk), = self.sample(free, 1)
        self.plant("F8-11", at, document_uid=f"2.999.120.2.{pk}.1", busy_utc=moment(at), registered_utc=moment(at + RETRY),
                   from_utc=moment(at - 240), to_utc=moment(at + 660))
        return at - 240, at + 660

    # What a document says of itself

    def local_of(self, patient_pk, at):
        """The patient ID under which an archive's record goes at an instant: merges followed."""
        return self.flow.patient(patient_pk, at).pid

    def facts(self, at, draft):
        return {"patient_id": self.local_of(draft.local, at), "study_uid": draft.study_uid, "accession": draft.accession,
                "document_uid": draft.unique_id}

    def amount(self, study):
        return sum(series.amount for series in study.series)

    def size_of(self, amount):
        """A plausible size of a manifest, in which each instance stands twice."""
        return 2412 + 316 * amount

    def manifest(self, study, order):
        return self.draft(study, order, f"2.999.120.1.{study.pk}.1", IMAGES)

    def report(self, study, order, mime, length):
        draft = self.draft(study, order, "", REPORT)
        size = length + (31_200 if mime == "application/pdf" else 2850)
        draft = self.as_report(draft, f"2.999.120.2.{study.pk}.1", size, mime)
        return draft._replace(local=order.patient_pk, accession=order.accession)

    def draft(self, study, order, uid, kind):
        domain = self.flow.patients[study.patient_pk].issuer
        modality = next((series.modality for series in study.series if series.modality not in ("PR", "KO", "SR")), "OT")
        title = study.description or (order.description if order else modality)
        procedure = (order.code, PROCEDURES, order.description) if order else (modality, PROCEDURES, title)
        ends = max(study.complete or study.created, study.began + 60)
        return Draft(uid, study.patient_pk, domain, study.uid, study.accession, order.issuer if order else domain, modality, kind,
                     procedure, "application/dicom", self.amount(study), self.size_of(self.amount(study)), digits(study.began),
                     digits(ends), title)

    # Playing

    def play(self, busy):
        self.index = Index(self.seed, self.loaded)
        self.store = Store(self.index)
        self.store.busy = busy
        while self.agenda:
            at, _, action, what = heapq.heappop(self.agenda)
            action(at, *what)

    def hear(self, at, trigger, who, retired):
        """A message of the identity feed."""
        gone = self.index.links.get((who.domain, retired))
        answer, error, master = self.index.take(trigger, who, retired)
        if gone in self.index.alias:
            self.store.merged(gone, master)
        self.events.append(FeedEvent(moment(at), trigger, who.domain, who.pid, retired, who.name, who.birth_date, who.sex,
                                     who.address, answer, error, master))

    def note(self, at, transaction, source, patient_id=None, query=None, keys=None, documents=(), references=(), count=0,
             status=SUCCESS, errors=()):
        self.log.append(Transaction(moment(at), transaction, source, patient_id, query, keys or {}, tuple(documents),
                                    tuple(references), count, status, tuple(errors)))

    def submit(self, at, source, draft, target=None):
        """A source registers a document, for RPLC with the uniqueId (or the symbolic id) of its `target`."""
        local = draft.local if isinstance(draft.local, str) else self.local_of(draft.local, at)
        master = self.index.links.get((draft.domain, local))
        # A source that finds no ID of the region sends its own.
        patient_id = cx(master, "NMH") if master else cx(local, draft.domain)
        target = self.store.by_uid.get(target, target)
        entry = self.entry(at, source, draft, draft.filed_under or patient_id, cx(local, draft.domain), target)
        errors = self.store.complaints(at, patient_id, entry, target)
        self.note(at, "ITI-42", source, patient_id, documents=(entry.unique_id,), references=entry.reference_ids,
                  count=0 if errors else 1, status=FAILURE if errors else SUCCESS, errors=errors)
        if not errors:
            self.store.register(entry)
            self.amounts[entry.unique_id] = draft
        elif errors[0].code == "XDSRegistryBusy":
            self.does(at + RETRY, self.submit, source, draft, target)
        else:
            self.refused.append(entry)

    def entry(self, at, source, draft, patient_id, source_patient_id, target):
        setting = SETTINGS.get(draft.modality, "RAD")
        references = [reference(draft.accession, draft.issuer)] if draft.accession else []
        return DocumentEntry(
            urn(self.seed, draft.submission_set), draft.unique_id, draft.submission_set, source, patient_id, source_patient_id, draft.kind,
            draft.type_code, FORMATS[draft.mime], draft.mime, ((draft.modality, DCM, draft.modality),),
            (setting, PRACTICES, SETTING_NAMES[setting]), CLINIC if HOME[source] == "ECC" else HOSPITAL, NORMAL, "en-GB",
            draft.title, digits(at - 10), draft.start, draft.stop,
            hashlib.sha1(f"{self.seed} {draft.unique_id} {draft.version}".encode()).hexdigest(), draft.size, SOURCES[source][1],
            (*references, f"{draft.study_uid}^^^^{STUDY}"), target, APPROVED, moment(at))

    def ask(self, at, source, key, by=None, modality=None, since=None):
        """A consumer looks for a person's documents, then fetches the newest that others made; how many it found."""
        master = self.index.links.get(key)
        if master is None:
            return
        keys = {"$XDSDocumentEntryPatientId": f"'{cx(master, 'NMH')}'", "$XDSDocumentEntryStatus": f"('{STATUS_TYPE}{APPROVED}')"}
        query = "FindDocuments"
        if by:
            query = "FindDocumentsByReferenceId"
            keys["$XDSDocumentEntryReferenceIdList"] = f"('{by}')"
        if modality:
            keys["$XDSDocumentEntryEventCodeList"] = f"('{modality}^^{DCM}')"
        if since:
            keys["$XDSDocumentEntryServiceStartTimeFrom"] = since
        busy = self.store.busy[0] <= at < self.store.busy[1]
        found = [] if busy else self.store.find(master, by, modality, since)
        self.note(at, "ITI-18", source, cx(master, "NMH"), query, keys, [entry.unique_id for entry in found], count=len(found),
                  status=FAILURE if busy else SUCCESS, errors=[RegistryError("XDSRegistryBusy", "try again later")] if busy else [])
        foreign = [entry for entry in found if HOME.get(entry.source) != HOME.get(source)][-3:]
        if foreign:
            self.does(at + 4, self.retrieve, source, foreign)

    def look(self, at, source, key, study, issuer):
        """A consumer looks for what belongs to one accession number."""
        self.ask(at, source, key, reference(study.accession, issuer))

    def retrieve(self, at, source, entries):
        """A consumer fetches documents, and the images of the last manifest among them."""
        asked = entries[0].repository if source == "GP_AGENDA" else None
        missing = [entry for entry in entries if asked not in (None, entry.repository)]
        self.note(at, "ITI-43", source, documents=[entry.unique_id for entry in entries], count=len(entries) - len(missing),
                  status=PARTIAL if missing else SUCCESS,
                  errors=[RegistryError("XDSDocumentUniqueIdError", f"{entry.unique_id} not in {asked}") for entry in missing])
        manifests = [entry for entry in entries if entry.class_code == IMAGES and entry not in missing]
        if manifests:
            draft = self.amounts[manifests[-1].unique_id]
            gone = self.rejected.get(draft.study_uid, ())
            self.does(at + 2, self.note, "RAD-69", source, None, None, None, (draft.study_uid,), (), draft.amount - len(gone),
                      PARTIAL if gone else SUCCESS, [RegistryError("XDSDocumentUniqueIdError", uid) for uid in gone])

    def reject(self, at, study, count):
        """The archive takes `count` images of a study away from whoever asks; 0: its manifest is right again."""
        series = study.series[0]
        self.rejected[study.uid] = [f"{series.uid}.{series.amount - number}" for number in range(count)]


PASSED_ON = {"A01": "A01", "A04": "A04", "A08": "A08", "A28": "A04", "A31": "A08", "A40": "A40"}
HOME = {"HV_VNA": "HVGH", "EMR": "HVGH", "ECC_PACS": "ECC", "ECC_PORTAL": "ECC"}


class Registry:
    """The exchange of one hospital, as ``h.registry``; everything is made when it is first asked for.

    Attributes
    ----------
    feed : list of FeedEvent
        In order of time.
    links : dict
        (domain, patient ID) of every living ID -> the region's ID of the person, now.
    retired : dict
        (domain, patient ID) merged away -> the surviving (domain, patient ID).
    entries : list of DocumentEntry
        What the registry holds now, in order of registration.
    refused : list of DocumentEntry
        What it did not take, as submitted.
    log : list of Transaction
        In order of time.
    """

    def __init__(self, h):
        self._h = h

    def __repr__(self):
        return (f"<registry: {len(self.feed)} messages of the identity feed, {len(self.entries)} document entries, "
                f"{len(self.log)} transactions>")

    @cached_property
    def _region(self):
        return Region(self._h)

    @property
    def feed(self):
        return self._region.events

    @property
    def links(self):
        return self._region.index.links

    @property
    def retired(self):
        return self._region.index.retired

    @cached_property
    def entries(self):
        return list(self._region.store.entries.values())

    @property
    def refused(self):
        return self._region.refused

    @property
    def log(self):
        return self._region.log

    @property
    def loaded(self):
        """Who was in the index before the exchange opened: a list of Identity."""
        return self._region.loaded

    @property
    def persons(self):
        """Who is who, which the index does not know: a dict (domain, patient ID) -> the person's own first ID."""
        return self._region.persons

    def links_at(self, at_utc):
        """`links` as they were at 'YYYY-MM-DD HH:MM:SS' (UTC): a dict."""
        index = Index(self._h.seed, self.loaded)
        for event in self.feed:
            if event.at_utc > at_utc:
                break
            who = Identity(event.domain, event.patient_id, event.name, event.birth_date, event.sex, event.address, "")
            index.take(event.trigger, who, event.retired_id)
        return index.links

    @property
    def false_links(self):
        """IDs of the region under which there are several persons: a list, ascending."""
        return several({key: self.persons[key] for key in self.links}, self.links)

    @property
    def missed_links(self):
        """Persons that the region knows under several IDs: a list, ascending."""
        return several(self.links, {key: self.persons[key] for key in self.links})

    @cached_property
    def incidents(self):
        """The incidents that only the exchange shows: a list of Incident."""
        found, counts = [], {}
        for kind, at, facts in sorted(self._region.planted, key=lambda one: (one[0], one[1], str(sorted(one[2].items())))):
            counts[kind] = counts.get(kind, 0) + 1
            found.append(Incident(f"{kind}-{counts[kind]}", KINDS[kind], moment(at), facts, ("registry",)))
        return found

    def frame(self, what):
        """`feed`, `entries`, `refused` or `log` as a DataFrame; of codes, their values."""
        import pandas
        rows = {"feed": self.feed, "entries": self.entries, "refused": self.refused, "log": self.log}[what]
        kind = {"feed": FeedEvent, "log": Transaction}.get(what, DocumentEntry)
        made = pandas.DataFrame(rows, columns=kind._fields)
        for column in CODED if kind is DocumentEntry else ():
            made[column] = [code[0] for code in made[column]]
        return made


CODED = ("class_code", "type_code", "format_code", "practice_setting", "facility_type", "confidentiality")


def several(values, groups):
    """The groups whose members have more than one value: `values` and `groups` are dicts with the same keys."""
    held = {}
    for key, group in groups.items():
        held.setdefault(group, set()).add(values[key])
    return sorted(group for group, found in held.items() if len(found) > 1)


@lru_cache(maxsize=4)
def exchange(h):
    """The ``Registry`` of hospital `h`."""
    return Registry(h)


def incidents(h):
    """The incidents of lab F8 in hospital `h`: a list of Incident."""
    return list(exchange(h).incidents)


# What a trace is found by

def trace(h, incident):
    """What feed and log of the exchange show of `incident`: a list of ``Evidence``, found by the facts alone, by time."""
    kind = incident.id.rsplit("-", 1)[0] if incident.id != "C17" else "C17"
    if kind != "C17" and kind not in KINDS:
        return []
    facts, seen = incident.facts, exchange(h)
    found = [(event.at_utc, *shown) for event in seen.feed if (shown := sign_of_feed(kind, facts, event, seen))]
    found += [(record.at_utc, *shown) for record in seen.log if (shown := SIGNS[record.transaction](kind, facts, record, seen))]
    evidence, told = [], {}
    for at, what, ids in sorted(found, key=lambda one: one[0]):
        told[what] = told.get(what, 0) + 1
        ids = {key: value for key, value in ids.items() if key in facts}
        evidence.append(Evidence(at, what + " again" * (told[what] > 1), ids))
    return evidence


def sign_of_feed(kind, facts, event, seen):
    """(what, ids) that a message of the identity feed shows, or None."""
    if kind == "C17":
        if event.retired_id == facts["temporary_id"]:
            return "merged in the region", {"temporary_id": event.retired_id, "patient_id": event.patient_id}
        if event.patient_id == facts["temporary_id"]:
            return "registered", {"temporary_id": event.patient_id, "temporary_name": event.name}
    if kind == "F8-04" and event.domain == "ECC" and facts["retired_id"] in (event.patient_id, event.retired_id):
        if event.retired_id:
            return "merged", {"retired_id": event.retired_id, "surviving_id": event.patient_id}
        return "first message of the old ID", {"retired_id": event.patient_id}
    if kind in ("F8-08", "F8-09") and event.patient_id == facts["ecc_id"]:
        others = [pid for (domain, pid), master in seen.links.items() if domain == "HVGH" and master == event.master_id]
        if kind == "F8-08":
            return "linked", {"ecc_id": event.patient_id, "patient_name": event.name, "patient_id": others[0]}
        return "registered", {"ecc_id": event.patient_id, "ecc_name": event.name, "ecc_birth_date": event.birth_date}
    return None


def sign_of_register(kind, facts, record, seen):
    """(what, ids) that an ITI-42 shows, or None."""
    uid = record.documents[0]
    ids = {"document_uid": uid}
    for value in record.references:
        ids["study_uid" if value.endswith(STUDY) else "accession"] = value.split("^")[0]
    if kind == "C17":
        if ids["study_uid"] != facts["study_uid"] or not record.errors:
            return None
        return "manifest_refused", {"study_uid": ids["study_uid"], "typed_id": record.patient_id.split("^")[0]}
    if uid != facts.get("document_uid"):
        return None
    if not record.errors:
        return "registered", ids
    if record.errors[0].code == "XDSRegistryBusy":
        return "busy", ids
    return "refused", {**ids, "filed_under": record.errors[0].context.split(",")[0].removeprefix("document ")}


def sign_of_query(kind, facts, record, seen):
    """(what, ids) that an ITI-18 shows, or None."""
    def of(domain, key):
        return key in facts and record.patient_id == cx(seen.links.get((domain, facts[key])), "NMH")

    if kind == "C17" and record.source == "ECC_PORTAL" and of("HVGH", "patient_id"):
        return ("partner_asked" if record.count == 0 else "asked"), {"patient_id": facts["patient_id"]}
    if kind == "F8-04" and record.source == "ECC_PORTAL":
        if of("ECC", "retired_id"):
            return "asked_old", {"retired_id": facts["retired_id"], "document_uid": record.documents[-1]}
        if of("ECC", "surviving_id") and record.at_utc >= facts["merged_utc"]:
            return "asked", {"surviving_id": facts["surviving_id"]}
    if kind in ("F8-08", "F8-09") and record.source == "ECC_PORTAL" and of("ECC", "ecc_id"):
        return "asked", {"ecc_id": facts["ecc_id"]}
    if kind in ("F8-01", "F8-10") and facts["document_uid"] in record.documents and record.source == facts["consumer"]:
        return "asked", {"document_uid": facts["document_uid"], "consumer": record.source}
    return None


def sign_of_retrieve(kind, facts, record, seen):
    """(what, ids) that an ITI-43 shows, or None."""
    if kind == "F8-10" and facts["document_uid"] in record.documents and record.source == facts["consumer"]:
        return "retrieved", {"document_uid": facts["document_uid"], "consumer": record.source}
    return None


def sign_of_images(kind, facts, record, seen):
    """(what, ids) that a RAD-69 shows, or None."""
    if kind == "F8-01" and record.documents == (facts["study_uid"],) and record.status == PARTIAL:
        return "retrieved", {"study_uid": record.documents[0], "n_rejected": len(record.errors)}
    return None


SIGNS = {"ITI-42": sign_of_register, "ITI-18": sign_of_query, "ITI-43": sign_of_retrieve, "RAD-69": sign_of_images}
