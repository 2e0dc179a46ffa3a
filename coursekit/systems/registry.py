"""A document registry that runs: what documents there are, of which patient, and where (IHE XDS.b).

    with Registry("NMH_REGISTRY") as registry:
        registry.know("NM100017^^^&2.999.1.9&ISO")              # or over MLLP, as an identity feed (ITI-8), at registry.hl7_port
        registry.url                                             # ITI-42 and ITI-18 over SOAP

A submission is kept as a whole or not at all; it is answered when it's on the disk.

Sources: IHE ITI TF-2 3.42.4.1.3 (what a registry checks and does), 3.18 (stored queries), 3.8 (identity feed); TF-3 4.2.
"""

import json
import re
import sqlite3
import uuid
from dataclasses import dataclass

from coursekit.standards import hl7, soap, xml
from coursekit.standards.hl7 import Refusal
from coursekit.standards.xds import facts, metadata
from coursekit.standards.xds.facts import ASSOCIATION, DOCUMENT, FOLDER, SET
from coursekit.standards.xds.metadata import Author, Code, Entry, Problem
from coursekit.systems.database import Database
from coursekit.systems.mllp import Listener
from coursekit.systems.web import SoapServer

MOST_LEAVES = 5_000                     # metadata objects of one answer
FEED = ("ADT^A01", "ADT^A04", "ADT^A05", "ADT^A08", "ADT^A40")

_TABLES = """
CREATE TABLE IF NOT EXISTS object (uuid TEXT PRIMARY KEY, kind TEXT NOT NULL, patient TEXT NOT NULL, unique_id TEXT NOT NULL,
    status TEXT NOT NULL, content TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS object_patient ON object (patient, kind);
CREATE INDEX IF NOT EXISTS object_unique_id ON object (unique_id);
CREATE TABLE IF NOT EXISTS association (uuid TEXT PRIMARY KEY, type TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,
    content TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS association_source ON association (source);
CREATE INDEX IF NOT EXISTS association_target ON association (target);
CREATE TABLE IF NOT EXISTS patient (id TEXT PRIMARY KEY, into_id TEXT);
CREATE INDEX IF NOT EXISTS patient_into ON patient (into_id);
"""


class Refused(Exception):
    """A request that is answered with errors."""

    def __init__(self, *problems):
        super().__init__(problems[0].context)
        self.problems = list(problems)


class Registry(SoapServer):
    """A document registry.

    authority : (namespace, OID) of the affinity domain, the only assigning authority whose patient IDs it takes
    codes     : {attribute: set of (code, scheme)} that the affinity domain allows; an attribute that it lacks may have any code. None: any
    folder    : where it keeps what it must not lose; a temporary one, gone at the end, if not given
    port, hl7_port : where it listens for SOAP, and for the identity feed over MLLP; free ports if 0. Read them again after `start`
    clock     : a function that gives the time in UTC as YYYYMMDDHHMMSS, for lastUpdateTime
    certificates : as of ``WebServer``; the identity feed comes over TLS then, too
    fits      : another function in place of the registry's own that decides whether an entry fulfils a parameter of a Find query. It is
                given the parameter's name, what the entry has there (a list of texts, codes as code^^scheme) and the slots (a list of such)
    """

    def __init__(self, name="NMH_REGISTRY", authority=("NMH", "2.999.1.9"), codes=None, folder=None, port=0, hl7_port=0, clock=None,
                 fits=None, certificates=None):
        super().__init__(name, port, certificates)
        self.authority, self.codes, self.folder, self.hl7_port, self.fits = authority, codes, folder, hl7_port, fits
        self._clock = clock or (lambda: "20250407060000")
        self._database = self._listener = None
        self.actions = {facts.ACTIONS["ITI-42"][0]: ("ITI-42", self._register), facts.ACTIONS["ITI-18"][0]: ("ITI-18", self._stored_query)}

    def __repr__(self):
        if not self._runs:
            return f"<registry {self.name} is stopped>"
        counts = dict(self._database.rows("SELECT kind, count(*) FROM object GROUP BY kind"))
        return (f"<registry {self.name} runs: {counts.get(DOCUMENT, 0)} documents in {counts.get(SET, 0)} submission sets, "
                f"{len(self.journal)} events>")

    # Beginning and end

    def _begin(self):
        self._database = Database(self.folder, "registry", _TABLES)
        self._listener = Listener(self.name, answer=self._hear, port=self.hl7_port, certificates=self.certificates, refused=self._refused)
        self._listener.journal = self.journal
        self._listener.start()
        self.hl7_port = self._listener.port
        super()._begin()

    def _end(self):
        super()._end()
        if self._listener:
            self._listener.stop()
            self._listener = None
        if self._database:
            self._database.close()
            self._database = None

    # Patients: the identity feed

    def know(self, *patient_ids):
        """Take patient IDs (CX) as known, as an identity feed would tell them."""
        with self._database.transaction():
            for one in patient_ids:
                self._database.run("INSERT OR IGNORE INTO patient VALUES (?, NULL)", one)

    def patients(self):
        """{patient ID: the one that it was merged into, or None}."""
        return dict(self._database.rows("SELECT id, into_id FROM patient ORDER BY id"))

    def _refused(self, reason):
        if self.audit:
            self.audit.node_refused(self.name, self.host, reason)

    def _hear(self, message):
        """The answer to a message of the identity feed."""
        return self.audit.heard(self.name, message, self._feed) if self.audit else self._feed(message)

    def _feed(self, message):
        """What a message of the feed does (ITI TF-2 3.8.4.1.4, 3.8.4.2.4)."""
        if message.event not in FEED:
            kind = message["MSH-9.1"]
            raise Refusal("AR", f"{message.event} is no event of the identity feed.", "201" if kind == "ADT" else "200",
                          "MSH^1^9^1^2" if kind == "ADT" else "MSH^1^9^1^1")
        ids = [one for one in (self._cx(message, f"PID-3[{n}]") for n in range(1, 1 + message["PID-3"].count("~") + 1)) if one]
        if message.event == "ADT^A08":                  # a registry has no demographics to update
            return hl7.reply(message)
        if message.event != "ADT^A40":
            if not ids:
                raise Refusal("AE", "PID-3 holds no patient ID of the affinity domain.", "204", "PID^1^3")
            self.know(*ids)
            return hl7.reply(message)
        old, new = self._cx(message, "MRG-1"), ids[0] if ids else None
        known = self.patients()
        for one, place in ((new, "PID^1^3"), (old, "MRG^1^1")):
            if one is None or one not in known or known[one]:
                raise Refusal("AE", f"{place.replace('^1^', '-')} is no active patient ID of the affinity domain.", "204", place)
        if old == new:
            raise Refusal("AE", "A patient ID can't be merged into itself.", "204", "MRG^1^1")
        with self._database.transaction():
            self._database.run("UPDATE patient SET into_id = ? WHERE id = ?", new, old)
        return hl7.reply(message)

    def _cx(self, message, place):
        """The patient ID at a place, as a CX of document sharing; None if it is not of the affinity domain."""
        number, space, oid = (message[f"{place}.{part}"] for part in ("1", "4.1", "4.2"))
        namespace, authority = self.authority
        fits = oid == authority if oid else space == namespace
        return f"{number}^^^&{authority}&ISO" if number and fits else None

    def _living(self, patient):
        """The patient ID that one was merged into, in the end; None when it is not known."""
        row = self._database.row("SELECT into_id FROM patient WHERE id = ?", patient)
        while row and row[0]:
            patient, row = row[0], self._database.row("SELECT into_id FROM patient WHERE id = ?", row[0])
        return patient if row else None

    def _all_of(self, patient):
        """A living patient ID with all that were merged into it, step by step."""
        found, open_ = [patient], [patient]
        while open_:
            open_ = [row[0] for one in open_ for row in self._database.rows("SELECT id FROM patient WHERE into_id = ?", one)]
            found += open_
        return found

    # ITI-42

    def _register(self, message):
        if message.body.tag != f"{{{facts.LCM}}}SubmitObjectsRequest":
            raise soap.Fault("The Body of ITI-42 holds an lcm:SubmitObjectsRequest.")
        listed = message.body.find(f"{{{facts.RIM}}}RegistryObjectList")
        entries, problems = metadata.read(listed if listed is not None else message.body)
        if not problems:
            try:
                problems = self.submit(entries)
            except sqlite3.Error as failure:
                problems = [Problem("XDSRegistryError", f"The registry could not keep it: {failure}.")]
        return soap.Message(facts.ACTIONS["ITI-42"][1], registry_response(problems), reply_to=None)

    def submit(self, entries, transaction="ITI-42"):
        """Take a submission, a list of Entry. Returns its problems, a list of Problem; with an error among them nothing was kept."""
        problems = metadata.check(entries, transaction)
        if problems:
            return problems
        with self._database.lock:
            try:
                with self._database.transaction():
                    self._take([entry.copy() for entry in entries])
            except Refused as refused:
                return refused.problems
        return []

    def _take(self, entries):
        self._check_codes(entries)
        patient = next(entry["patientId"] for entry in entries if entry.kind == SET)
        if self._database.row("SELECT into_id FROM patient WHERE id = ?", patient) != (None,):
            raise Refused(Problem("XDSUnknownPatientId", f"The patient ID {patient} is not known, or was merged into another."))
        self._name(entries)
        new = {entry.id: entry for entry in entries if entry.kind != ASSOCIATION}
        for entry in new.values():
            self._check_unique(entry)
            if self._database.row("SELECT 1 FROM object WHERE uuid = ?", entry.id):
                raise Refused(Problem("XDSRegistryMetadataError", f"The entryUUID {entry.id} is taken."))
        links = [entry for entry in entries if entry.kind == ASSOCIATION]
        for link in links:
            self._check_link(link, new, {one.id for one in links})
        for entry in new.values():
            entry.values["availabilityStatus"] = facts.APPROVED
            if entry.kind == FOLDER:
                entry.values["lastUpdateTime"] = self._clock()
            self._put(entry)
        submission_set = next(entry for entry in new.values() if entry.kind == SET)
        for link in links:
            self._put_link(link)
            if link["type"] in (facts.RPLC, facts.XFRM_RPLC):
                self._replace(link, submission_set)
            elif link["type"] == facts.HAS_MEMBER and self._kind_of(link["source"], new) == FOLDER:
                self._touch(link["source"])

    def _check_codes(self, entries):
        for entry in entries:
            for attribute in facts.ATTRIBUTES.get(entry.kind, ()):
                allowed = (self.codes or {}).get(attribute.name)
                if attribute.carrier != "code" or allowed is None or attribute.name not in entry:
                    continue
                for code in entry[attribute.name] if attribute.many else (entry[attribute.name],):
                    if (code.code, code.scheme) not in allowed:
                        raise Refused(Problem("XDSRegistryMetadataError", f"{entry.kind} {entry.id}: {attribute.name} {code.code} of {code.scheme} "
                                                                          "is no code of the affinity domain."))

    @staticmethod
    def _name(entries):
        """Symbols become UUIDs, the same everywhere (ITI TF-2 3.42.4.1.3.7)."""
        symbols = {entry.id: entry.id if metadata.is_uuid(entry.id) else f"urn:uuid:{uuid.uuid4()}" for entry in entries}
        for entry in entries:
            entry.values["entryUUID"] = symbols[entry.id]
            for end in ("source", "target"):
                if end in entry:
                    entry.values[end] = symbols.get(entry[end], entry[end])

    def _check_unique(self, entry):
        found = self._database.rows("SELECT kind, content FROM object WHERE unique_id = ?", entry["uniqueId"])
        if entry.kind != DOCUMENT:
            if found:
                raise Refused(Problem("XDSDuplicateUniqueIdInRegistry", f"The uniqueId {entry['uniqueId']} of the {entry.kind} is taken."))
            return
        for kind, content in found:
            if kind != DOCUMENT:
                raise Refused(Problem("XDSDuplicateUniqueIdInRegistry", f"The uniqueId {entry['uniqueId']} is that of a {kind}."))
            other = json.loads(content)
            if (other.get("hash") or "").lower() != (entry.get("hash") or "").lower():
                raise Refused(Problem("XDSNonIdenticalHash", f"Document {entry['uniqueId']} is registered with another hash."))
            if other.get("size") != entry.get("size"):
                raise Refused(Problem("XDSNonIdenticalSize", f"Document {entry['uniqueId']} is registered with another size."))

    def _kind_of(self, id, new):
        if id in new:
            return new[id].kind
        row = self._database.row("SELECT kind FROM object WHERE uuid = ?", id)
        return row[0] if row else None

    def _check_link(self, link, new, links):
        """Both ends of an association are there, are what they have to be, and concern one patient."""
        source, target, kind = link["source"], link["target"], link["type"]
        if kind == facts.HAS_MEMBER:
            if self._kind_of(source, new) == SET and (target in links or self._database.row("SELECT 1 FROM association WHERE uuid = ?", target)):
                return                                  # a set that names the HasMember of a folder (4.2.2.1.2)
            ends = [(source, (SET, FOLDER)), (target, (DOCUMENT, FOLDER))]
        else:
            if source not in new or new[source].kind != DOCUMENT:
                raise Refused(Problem("UnresolvedReferenceException", f"The source {source} of a relationship is no document of this submission."))
            if target in new and kind in (facts.RPLC, facts.XFRM_RPLC, facts.SNAPSHOT):
                raise Refused(Problem("UnresolvedReferenceException", f"The target {target} is in this submission; it has to be in the registry."))
            ends = [(target, (DOCUMENT,))]
        for id, kinds in ends:
            if self._kind_of(id, new) not in kinds:
                raise Refused(Problem("UnresolvedReferenceException", f"{id} is neither in this submission nor in the registry as a "
                                                                      f"{' or '.join(kinds)}."))
        for id, _ in ends:
            if id not in new and self._database.row("SELECT status FROM object WHERE uuid = ?", id)[0] != facts.APPROVED:
                raise Refused(Problem("XDSRegistryDeprecatedDocumentError", f"{id} is not Approved."))
        if link.get("status") == facts.REFERENCE:
            return                                      # by reference a set may hold another patient's (3.42.4.1.3.3.1)
        patients = {self._living(self._patient_of(id, new)) for id in (source, target)}
        if len(patients) > 1:
            raise Refused(Problem("XDSPatientIdDoesNotMatch", f"{source} and {target} concern different patients."))

    def _patient_of(self, id, new):
        return new[id]["patientId"] if id in new else self._database.row("SELECT patient FROM object WHERE uuid = ?", id)[0]

    def _put(self, entry):
        kept = {"values": entry.values, "extra": entry.extra, "hash": entry.get("hash"), "size": entry.get("size")}
        if entry.kind == DOCUMENT:                      # its ebRIM is made once, and not for each answer that holds it
            kept["ebrim"] = xml.text(metadata.element(entry))
        content = json.dumps(kept)
        self._database.run("INSERT INTO object VALUES (?, ?, ?, ?, ?, ?)",
                           entry.id, entry.kind, entry["patientId"], entry["uniqueId"], entry["availabilityStatus"], content)

    def _put_link(self, link):
        link.values["availabilityStatus"] = facts.APPROVED
        self._database.run("INSERT INTO association VALUES (?, ?, ?, ?, ?)", link.id, link["type"], link["source"], link["target"],
                           json.dumps({"values": link.values, "extra": link.extra}))

    def _replace(self, link, submission_set):
        """Deprecate what is replaced with its addenda and transformations; the replacement goes into its folders (3.42.4.1.3.5)."""
        old = link["target"]
        gone = [old] + [row[0] for row in self._database.rows("SELECT source FROM association WHERE target = ? AND type IN (?, ?)", old, facts.APND,
                                                     facts.XFRM)]
        for one in gone:
            self._database.run("UPDATE object SET status = ? WHERE uuid = ?", facts.DEPRECATED, one)
        for (folder,) in self._database.rows("SELECT source FROM association JOIN object ON object.uuid = source WHERE target = ? AND type = ? AND "
                                    "kind = ?", old, facts.HAS_MEMBER, FOLDER):
            member = metadata.association(facts.HAS_MEMBER, folder, link["source"])
            self._put_link(member)
            self._put_link(metadata.association(facts.HAS_MEMBER, submission_set.id, member.id))
            self._touch(folder)

    def _touch(self, folder):
        row = self._database.row("SELECT content FROM object WHERE uuid = ?", folder)
        content = json.loads(row[0])
        content["values"]["lastUpdateTime"] = self._clock()
        self._database.run("UPDATE object SET content = ? WHERE uuid = ?", json.dumps(content), folder)

    # ITI-18

    def _stored_query(self, message):
        if message.body.tag != f"{{{facts.QUERY}}}AdhocQueryRequest":
            raise soap.Fault("The Body of ITI-18 holds a query:AdhocQueryRequest.")
        try:
            name, given, leaves = read_query(message.body)
            found = self.query(name, given)
            if leaves and len(found) > MOST_LEAVES:
                raise Refused(Problem("XDSTooManyResults", f"{len(found):,} objects; ask for references (ObjectRef), or more narrowly."))
            if leaves and name.startswith("Get") and name != "GetAll" and len({one["patientId"] for one in found if "patientId" in one}) > 1:
                raise Refused(Problem("XDSResultNotSinglePatient", "The answer would hold objects of several patients."))
            body = query_response(found, leaves)
        except Refused as refused:
            body = query_response([], False, refused.problems)
        except sqlite3.Error as failure:
            body = query_response([], False, [Problem("XDSRegistryError", f"The registry could not look: {failure}.")])
        return soap.Message(facts.ACTIONS["ITI-18"][1], body, reply_to=None)

    def query(self, name, given):
        """What a stored query finds: a list of Entry.

        name  : a key of `facts.QUERIES`
        given : {parameter: list of lists of values, one for each slot of that name}

        Raises Refused.
        """
        query = facts.QUERIES[name]
        asked = _checked(query, given)
        with self._database.lock:
            return _QUERIES[name](self, asked) if name in _QUERIES else self._find(query, asked)

    def _find(self, query, asked):
        """FindDocuments, FindSubmissionSets, FindFolders: of a patient, by attributes."""
        patient = next(values[0][0] for parameter, values in asked.values() if parameter.attribute == "patientId")
        if self._database.row("SELECT into_id FROM patient WHERE id = ?", patient) != (None,):
            return []                                   # not known, or merged into another: no content
        return [entry for entry in self._of_patient(patient, query.finds)
                if all(self._fulfils(entry, name, *one) for name, one in asked.items()) and _of_type(entry, asked)]

    def _fulfils(self, entry, name, parameter, slots):
        if self.fits is None or parameter.attribute == "patientId":
            return _fits(entry, parameter, slots)
        return self.fits(name, _texts(entry.get(parameter.attribute)), slots)

    def _of_patient(self, patient, kind):
        ids = self._all_of(patient)
        rows = self._database.rows(f"SELECT kind, status, content FROM object WHERE patient IN ({', '.join('?' * len(ids))}) AND kind = ?", *ids, kind)
        return [self._entry(*row, living=patient) for row in rows]

    def _entry(self, kind, status, content, living=None):
        """An Entry as it is kept; `living` is the patient ID that its own was merged into, where that is known already."""
        kept = json.loads(content)
        patient = kept["values"]["patientId"]
        values = {name: _typed(kind, name, value) for name, value in kept["values"].items()}
        values["availabilityStatus"] = status
        values["patientId"] = living or self._living(patient) or patient
        same = status == facts.APPROVED and values["patientId"] == patient
        return _Kept(kind, values, {name: tuple(found) for name, found in kept["extra"].items()}, kept.get("ebrim") if same else None)

    def _named(self, asked, kind=None):
        """The objects that parameters name by entryUUID, uniqueId or logicalID."""
        found = []
        for parameter, values in asked.values():
            if parameter.attribute not in ("entryUUID", "uniqueId", "logicalID"):
                continue
            column = "unique_id" if parameter.attribute == "uniqueId" else "uuid"
            for value in [one for several in values for one in several]:
                rows = self._database.rows(f"SELECT kind, status, content FROM object WHERE {column} = ?", value)
                found += [self._entry(*row) for row in rows if kind in (None, row[0])]
        return found

    def _links(self, where, *values):
        rows = self._database.rows(f"SELECT content FROM association WHERE {where} ORDER BY rowid", *values)
        return [Entry(ASSOCIATION, kept["values"], {name: tuple(found) for name, found in kept["extra"].items()})
                for kept in (json.loads(row[0]) for row in rows)]

    def _links_of(self, ids, end):
        return [link for id in ids for link in self._links(f"{end} = ?", id)]

    def _by_uuid(self, ids):
        rows = [self._database.row("SELECT kind, status, content FROM object WHERE uuid = ?", id) for id in dict.fromkeys(ids)]
        return [self._entry(*row) for row in rows if row]

    def _contents(self, container, asked):
        """A set or folder with its members, theirs if a set has folders, and the associations whose both ends are there."""
        links = self._links_of([container.id], "source")
        members = self._by_uuid([link["target"] for link in links])
        kept = [one for one in members if one.kind != DOCUMENT or all(
            _fits(one, *condition) for condition in asked.values() if condition[0].attribute in ("formatCode", "confidentialityCode"))
            and _of_type(one, asked)]
        ids = {container.id, *(one.id for one in kept)}
        folders = [one.id for one in kept if one.kind == FOLDER]
        inner = [link for link in self._links_of(folders, "source") if link["target"] in ids] if folders else []
        ids |= {link.id for link in inner}
        return [container, *kept, *(link for link in links if link["target"] in ids), *inner]

    def _told(self, reply):
        return told(reply.body)


@dataclass
class _Kept(Entry):
    """An Entry of the registry, with the text of its ebRIM where that still holds."""

    ebrim: str | None = None


def _typed(kind, name, value):
    """A value as it was before it went into JSON."""
    attribute = facts.NAMED[kind][name]
    if attribute.carrier == "code":
        return tuple(Code(*one) for one in value) if attribute.many else Code(*value)
    if attribute.carrier == "author":
        return tuple(Author(*(tuple(part) if isinstance(part, list) else part for part in one)) for one in value)
    return tuple(value) if attribute.many else value


# Queries that follow associations

def _get_documents(registry, asked):
    return registry._named(asked, DOCUMENT)


def _get_folders(registry, asked):
    return registry._named(asked, FOLDER)


def _get_associations(registry, asked):
    ids = _uuids(asked)
    found = registry._links_of(ids, "source") + registry._links_of(ids, "target")
    return list({link.id: link for link in found}.values())


def _get_documents_and_associations(registry, asked):
    documents = registry._named(asked, DOCUMENT)
    return documents + _get_associations(registry, {"$uuid": (None, [[one.id for one in documents]])})


def _get_submission_sets(registry, asked):
    links = [link for link in registry._links_of(_uuids(asked), "target") if link["type"] == facts.HAS_MEMBER]
    sets = [one for one in registry._by_uuid([link["source"] for link in links]) if one.kind == SET]
    named = {one.id for one in sets}
    return sets + [link for link in links if link["source"] in named]


def _get_set_and_contents(registry, asked):
    return [one for container in registry._named(asked, SET)[:1] for one in registry._contents(container, asked)]


def _get_folder_and_contents(registry, asked):
    return [one for container in registry._named(asked, FOLDER)[:1] for one in registry._contents(container, asked)]


def _get_folders_for_document(registry, asked):
    documents = registry._named(asked, DOCUMENT)
    links = [link for link in registry._links_of([one.id for one in documents], "target") if link["type"] == facts.HAS_MEMBER]
    return [one for one in registry._by_uuid([link["source"] for link in links]) if one.kind == FOLDER]


def _get_related(registry, asked):
    documents = registry._named(asked, DOCUMENT)
    wanted = {value for several in asked["$AssociationTypes"][1] for value in several}
    ids = [one.id for one in documents]
    links = [link for link in _get_associations(registry, {"$uuid": (None, [ids])}) if link["type"] in wanted
             and link["type"] != facts.HAS_MEMBER]
    if not links:
        return []                                       # not even the document itself (3.18.4.1.2.3.7.13)
    others = registry._by_uuid([end for link in links for end in (link["source"], link["target"]) if end not in ids])
    return [*documents, *(one for one in others if _of_type(one, asked)), *links]


def _get_all(registry, asked):
    patient = asked["$patientId"][1][0][0]
    if registry._database.row("SELECT into_id FROM patient WHERE id = ?", patient) != (None,):
        return []
    found = []
    for kind, name in ((DOCUMENT, "$XDSDocumentEntryStatus"), (SET, "$XDSSubmissionSetStatus"), (FOLDER, "$XDSFolderStatus")):
        wanted = {value for several in asked[name][1] for value in several}
        found += [one for one in registry._of_patient(patient, kind) if one["availabilityStatus"] in wanted and (kind != DOCUMENT or all(
            _fits(one, *condition) for condition in asked.values() if condition[0].attribute in ("formatCode", "confidentialityCode"))
            and _of_type(one, asked))]
    ids = {one.id for one in found}
    links = registry._links_of(ids, "source")
    inner = {link.id for link in links}
    return found + [link for link in links if link["target"] in ids or link["target"] in inner]


_QUERIES = {
    "GetAll": _get_all, "GetDocuments": _get_documents, "GetFolders": _get_folders, "GetAssociations": _get_associations,
    "GetDocumentsAndAssociations": _get_documents_and_associations, "GetSubmissionSets": _get_submission_sets,
    "GetSubmissionSetAndContents": _get_set_and_contents, "GetFolderAndContents": _get_folder_and_contents,
    "GetFoldersForDocument": _get_folders_for_document, "GetRelatedDocuments": _get_related,
}


def _uuids(asked):
    return [value for several in asked["$uuid"][1] for value in several]


# Parameters

_STRING = re.compile(r"'((?:[^']|'')*)'")


def read_query(element):
    """An AdhocQueryRequest as (name of the query, {parameter: list of lists of values}, whether metadata are wanted). Raises Refused."""
    option = element.find(f"{{{facts.QUERY}}}ResponseOption")
    query = element.find(f"{{{facts.RIM}}}AdhocQuery")
    if query is None:
        raise Refused(Problem("XDSRegistryError", "The request holds no rim:AdhocQuery."))
    name = facts.QUERY_NAMES.get(query.get("id", ""))
    if name is None:
        raise Refused(Problem("XDSUnknownStoredQuery", f"There is no stored query {query.get('id')}."))
    kind = option.get("returnType") if option is not None else None
    if kind not in ("LeafClass", "ObjectRef"):
        raise Refused(Problem("XDSRegistryError", f"returnType is {kind}; it has to be LeafClass or ObjectRef."))
    given = {}
    for slot in query.iterfind(f"{{{facts.RIM}}}Slot"):
        values = [one for value in slot.iterfind(f"{{{facts.RIM}}}ValueList/{{{facts.RIM}}}Value") for one in _values(value.text or "")]
        given.setdefault(slot.get("name", ""), []).append(values)
    return name, given, kind == "LeafClass"


def _values(text):
    """The values of one rim:Value: 'text', a list ('a','b'), or a number (3.18.4.1.2.3.5)."""
    text = text.strip()
    inside = text[1:-1] if text.startswith("(") and text.endswith(")") else text
    quoted = [found.replace("''", "'") for found in _STRING.findall(inside)]
    return quoted or [one.strip() for one in inside.split(",") if one.strip()]


def _checked(query, given):
    """{name: (Parameter, list of lists of values)} of the parameters that the query has. Raises Refused."""
    named = [name for name in query.one_of if any(given.get(name, ()))]
    if len(named) > 1:
        raise Refused(Problem("XDSStoredQueryParamNumber", f"{' and '.join(named)} exclude each other."))
    if query.one_of and not named:
        raise Refused(Problem("XDSStoredQueryMissingParam", f"One of {', '.join(query.one_of)} is needed."))
    asked = {}
    for name, parameter in query.parameters.items():
        slots = [values for values in given.get(name, ()) if values]
        if parameter.needed and not slots:
            raise Refused(Problem("XDSStoredQueryMissingParam", f"{name} is missing."))
        if len(slots) > 1 and not parameter.repeated:
            raise Refused(Problem("XDSStoredQueryParamNumber", f"{name} comes in several slots; that is not for it."))
        if not parameter.many and any(len(values) > 1 for values in slots):
            raise Refused(Problem("XDSStoredQueryParamNumber", f"{name} takes one value."))
        if name.endswith("Status") and slots:
            slots = [[value for value in slots[0] if value in (facts.APPROVED, facts.DEPRECATED)]]
            if not slots[0]:                            # a status that nobody knows counts as none (3.18.4.1.2.3.6)
                raise Refused(Problem("XDSStoredQueryMissingParam", f"{name} names no status."))
        if slots:
            asked[name] = (parameter, slots)
    return asked


def _of_type(entry, asked):
    """Stable documents alone, unless $XDSDocumentEntryType says otherwise."""
    return "$XDSDocumentEntryType" in asked or entry.kind != DOCUMENT or entry.get("objectType", facts.STABLE) == facts.STABLE


def _fits(entry, parameter, slots):
    """Whether an entry fulfils a parameter: each of its slots, by one of the slot's values."""
    value = entry.get(parameter.attribute)
    if parameter.attribute == "patientId":
        return True                                     # chosen by it already, merges considered
    if parameter.bound:
        if not value:                                   # an entry without the time is not left out for it (3.18.4.1.2.3.3.1)
            return True
        bound, time = slots[0][0].ljust(14, "0"), value.ljust(14, "0")
        return bound <= time if parameter.bound == "from" else time < bound
    texts = _texts(value)
    return all(any(_like(text, wanted) if parameter.like else text == wanted for text in texts for wanted in values) for values in slots)


def _texts(value):
    """What an entry has in an attribute, as parameters write it: a list of texts."""
    having = () if value is None else value if isinstance(value, tuple) and not isinstance(value, (Code, Author)) else (value,)
    return [f"{one.code}^^{one.scheme}" if isinstance(one, Code) else one.person if isinstance(one, Author) else one for one in having]


def _like(text, pattern):
    """SQL's LIKE: % is any text, _ any character."""
    expression = "".join(".*" if sign == "%" else "." if sign == "_" else re.escape(sign) for sign in pattern)
    return re.fullmatch(expression, text, re.DOTALL) is not None


# Answers

def registry_response(problems=()):
    """An rs:RegistryResponse."""
    from lxml import etree

    failed = any(not one.warning for one in problems)
    made = etree.Element(f"{{{facts.RS}}}RegistryResponse", nsmap={"rs": facts.RS}, status=facts.FAILURE if failed else facts.SUCCESS)
    add_errors(made, problems)
    return made


def add_errors(parent, problems):
    """An rs:RegistryErrorList inside an answer, when there is something to say."""
    from lxml import etree

    if not problems:
        return
    worst = facts.ERROR if any(not one.warning for one in problems) else facts.WARNING
    listed = etree.SubElement(parent, f"{{{facts.RS}}}RegistryErrorList", highestSeverity=worst, nsmap={"rs": facts.RS})
    for one in problems:
        etree.SubElement(listed, f"{{{facts.RS}}}RegistryError", errorCode=one.code, codeContext=one.context, location=one.location,
                         severity=facts.WARNING if one.warning else facts.ERROR)


def query_response(found, leaves, problems=()):
    """A query:AdhocQueryResponse with metadata, or with references to them."""
    from lxml import etree

    failed = any(not one.warning for one in problems)
    made = etree.Element(f"{{{facts.QUERY}}}AdhocQueryResponse", nsmap={"query": facts.QUERY, "rim": facts.RIM},
                         status=facts.FAILURE if failed else facts.SUCCESS)
    add_errors(made, problems)
    if leaves:
        listed = etree.SubElement(made, f"{{{facts.RIM}}}RegistryObjectList")
        for one in found:
            ebrim = getattr(one, "ebrim", None)
            listed.append(etree.fromstring(ebrim) if ebrim else metadata.element(one))
    else:
        listed = etree.SubElement(made, f"{{{facts.RIM}}}RegistryObjectList")
        for one in found:
            etree.SubElement(listed, f"{{{facts.RIM}}}ObjectRef", id=one.id)
    return made


def told(body):
    """What an answer says, in a word and its error codes."""
    codes = [one.get("errorCode") for one in body.iter(f"{{{facts.RS}}}RegistryError")]
    status = (body.get("status") or next((one.get("status") for one in body.iter(f"{{{facts.RS}}}RegistryResponse")), "")).rpartition(":")[2]
    return ": ".join(filter(None, (status, ", ".join(codes))))
