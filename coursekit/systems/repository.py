"""A document repository that runs: it keeps documents and tells a registry of them (IHE XDS.b).

    with Registry() as registry, Repository("HV_REPOSITORY", "2.999.1.1.72", registry.url) as repository:
        repository.url                                  # ITI-41 and ITI-43 over SOAP with MTOM

Sources: IHE ITI TF-2 3.41 (provide and register), 3.43 (retrieve), V.8 (MTOM).
"""

import hashlib

from coursekit.standards import soap, xua
from coursekit.standards.xds import facts, metadata
from coursekit.standards.xds.facts import DOCUMENT
from coursekit.standards.xds.metadata import Problem
from coursekit.systems import document_sharing
from coursekit.systems.database import Database
from coursekit.systems.registry import add_errors, registry_response, told
from coursekit.systems.web import Caller, NoAnswer, SoapServer

_TABLE = "CREATE TABLE IF NOT EXISTS document (unique_id TEXT PRIMARY KEY, mime_type TEXT NOT NULL, content BLOB NOT NULL)"


class Repository(SoapServer):
    """A document repository.

    unique_id : its repositoryUniqueId, an OID
    registry  : the URL of the registry that it tells
    folder    : where it keeps documents; a temporary one, gone at the end, if not given
    certificates : as of ``WebServer``; it shows them to the registry, too
    """

    def __init__(self, name="HV_REPOSITORY", unique_id="2.999.1.1.72", registry=None, folder=None, port=0, certificates=None):
        super().__init__(name, port, certificates)
        self.unique_id, self.registry, self.folder = unique_id, registry, folder
        self._database = None
        self.actions = {facts.ACTIONS["ITI-41"][0]: ("ITI-41", self._provide), facts.ACTIONS["ITI-43"][0]: ("ITI-43", self._retrieve)}

    def __repr__(self):
        if not self._runs:
            return f"<repository {self.name} is stopped>"
        (count,) = self._database.row("SELECT count(*) FROM document")
        return f"<repository {self.name} runs: {count} documents, {len(self.journal)} events>"

    def _begin(self):
        self._database = Database(self.folder, "repository", _TABLE)
        super()._begin()

    def _end(self):
        super()._end()
        if self._database:
            self._database.close()
            self._database = None

    # ITI-41

    def _provide(self, message):
        entries, documents, problems = read_submission(message)
        if not problems:
            problems = self.provide(entries, documents, xua.token(message.headers))
        return self._answer("ITI-41", registry_response(problems))

    def provide(self, entries, documents, assertion=None):
        """Keep documents and register them. Returns a list of Problem; with an error among them nothing was kept.

        documents : {id of the document entry: bytes}
        assertion : what the source has shown of its user (an element), which the registry is shown, too
        """
        problems = metadata.check(entries, "ITI-41") + check_documents(entries, documents)
        if problems:
            return problems
        entries = [entry.copy() for entry in entries]
        rows = []
        for entry in entries:
            if entry.kind == DOCUMENT and entry.id in documents:
                octets = documents[entry.id]
                entry.values |= {"hash": entry.get("hash") or hashlib.sha1(octets).hexdigest(), "size": str(len(octets)),
                                 "repositoryUniqueId": self.unique_id}
                rows.append((entry["uniqueId"], entry["mimeType"], octets))
        # Documents are on the disk before the registry hears of them. Another content of a uniqueId waits for what the registry says to it.
        new, others = [], []
        for row in rows:
            before = self._database.row("SELECT content FROM document WHERE unique_id = ?", row[0])
            if before is None:
                new.append(row)
            elif before[0] != row[2]:
                others.append(row)
        with self._database.transaction():
            self._database.run_many("INSERT OR REPLACE INTO document VALUES (?, ?, ?)", new)
        try:
            answer = document_sharing.register(self.registry, entries, sender=Caller(self.name, self.certificates, assertion, self.audit))
        except (NoAnswer, soap.Fault, soap.BadSoap) as problem:
            answer = document_sharing.Answer(facts.FAILURE, [Problem("XDSRegistryNotAvailable", str(problem))])
        if answer.status == facts.SUCCESS:
            self._database.run_many("INSERT OR REPLACE INTO document VALUES (?, ?, ?)", others)
        else:
            self._database.run_many("DELETE FROM document WHERE unique_id = ?", [row[:1] for row in new])
        return answer.problems

    # ITI-43

    def _retrieve(self, message):
        from lxml import etree

        if message.body.tag != f"{{{facts.XDSB}}}RetrieveDocumentSetRequest":
            raise soap.Fault("The Body of ITI-43 holds an xdsb:RetrieveDocumentSetRequest.")
        body = etree.Element(f"{{{facts.XDSB}}}RetrieveDocumentSetResponse", nsmap={"xdsb": facts.XDSB})
        answer, problems, found = self._answer("ITI-43", body), [], []
        for asked in message.body.iterfind(f"{{{facts.XDSB}}}DocumentRequest"):
            home, repository, uid = (asked.findtext(f"{{{facts.XDSB}}}{name}") for name in (
                "HomeCommunityId", "RepositoryUniqueId", "DocumentUniqueId"))
            kept = self._database.row("SELECT mime_type, content FROM document WHERE unique_id = ?", uid)
            if repository != self.unique_id:
                problems.append(Problem("XDSUnknownRepositoryId", f"This is the repository {self.unique_id}, not {repository}."))
            elif kept is None:
                problems.append(Problem("XDSDocumentUniqueIdError", f"The document {uid} is not here."))
            else:
                found.append((home, uid, *kept))
        status = facts.SUCCESS if not problems else facts.PARTIAL if found else facts.FAILURE
        etree.SubElement(body, f"{{{facts.RS}}}RegistryResponse", nsmap={"rs": facts.RS}, status=status)
        add_errors(body[0], problems)
        for home, uid, mime, octets in found:
            document_sharing.add_document(answer, self.unique_id, uid, mime, octets, home)
        return answer

    def _answer(self, transaction, body):
        return soap.Message(facts.ACTIONS[transaction][1], body, reply_to=None, packaged=True)

    def _told(self, reply):
        return told(reply.body)


# What every receiver of ITI-41 does

def read_submission(message):
    """(list of Entry, {id: bytes of a document}, list of Problem) of an ITI-41. Raises soap.Fault or BadSoap when it is none."""
    if message.body.tag != f"{{{facts.XDSB}}}ProvideAndRegisterDocumentSetRequest":
        raise soap.Fault("The Body of ITI-41 holds an xdsb:ProvideAndRegisterDocumentSetRequest.")
    if not message.packaged:
        raise soap.Fault("ITI-41 goes as an MTOM package (ITI TF-2 V.8).")
    listed = message.body.find(f"{{{facts.LCM}}}SubmitObjectsRequest/{{{facts.RIM}}}RegistryObjectList")
    entries, problems = metadata.read(listed) if listed is not None else ([], [])
    return entries, {one.get("id"): message.octets(one) for one in message.body.iterfind(f"{{{facts.XDSB}}}Document")}, problems


def check_documents(entries, documents):
    """What does not fit between document entries and documents, {id: bytes}: a list of Problem (ITI TF-2 3.41.4.1.3)."""
    described = {entry.id: entry for entry in entries if entry.kind == DOCUMENT and entry.get("objectType") != facts.ON_DEMAND}
    problems = [Problem("XDSMissingDocument", f"The document of the entry {id} is missing.") for id in described if id not in documents]
    problems += [Problem("XDSMissingDocumentMetadata", f"The document {id} has no entry.") for id in documents if id not in described]
    for id, entry in described.items():
        octets = documents.get(id)
        if octets is not None and entry.get("hash") and entry["hash"].lower() != hashlib.sha1(octets).hexdigest():
            problems.append(Problem("XDSRepositoryMetadataError", f"The hash of {entry.get('uniqueId')} is not that of the document."))
        if octets is not None and entry.get("size") and entry["size"] != str(len(octets)):
            problems.append(Problem("XDSRepositoryMetadataError", f"The size of {entry.get('uniqueId')} is not that of the document."))
    return problems
