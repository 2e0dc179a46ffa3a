"""A document recipient that runs: it takes documents point to point, with no registry or repository between (IHE XDR).

    with DocumentRecipient("ECC_RECIPIENT", organizations={"2.999.1.2": "ECC"}) as recipient:
        document_sharing.provide(recipient.url, entries, {"Document01": octets})            # ITI-41, to the set's intendedRecipient
        recipient.received()                                                                # what came, as a DataFrame

A submission is kept as a whole or not at all; it is answered when it's on the disk.

Sources: IHE ITI TF-1 15 (XDR), 15.2.3 (Accepts Limited Metadata); TF-2 3.41.4.1.3 and 3.41.4.1.3.1 (what a recipient does); TF-3 4.2.3.3.7
(intendedRecipient), Tables 4.2.4.1-2 (error codes) and 4.3.1-3 (columns XDR DS and XDR MS).
"""

import sqlite3

from coursekit.standards import soap, xml
from coursekit.standards.xds import facts, metadata
from coursekit.standards.xds.facts import ASSOCIATION, DOCUMENT, FOLDER, SET
from coursekit.standards.xds.metadata import Problem
from coursekit.systems.database import Database
from coursekit.systems.registry import registry_response, told
from coursekit.systems.repository import check_documents, read_submission
from coursekit.systems.web import SoapServer

NOT_PROCESSED = {       # what is kept, but has no meaning without a registry: the warning of each type of association (3.41.4.1.3.1)
    facts.APND: "PartialAppendContentNotProcessed", facts.RPLC: "PartialReplaceContentNotProcessed",
    facts.XFRM: "PartialTransformNotProcessed", facts.XFRM_RPLC: "PartialTransformReplaceNotProcessed",
    facts.SIGNS: "PartialRelationshipContentNotProcessed", facts.SNAPSHOT: "PartialRelationshipContentNotProcessed"}
COLUMNS = ("submission", "time", "source", "recipients", "patient", "document", "title", "media_type", "size", "limited")

_TABLES = """
CREATE TABLE IF NOT EXISTS submission (unique_id TEXT PRIMARY KEY, metadata TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS document (submission TEXT NOT NULL, id TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY (submission, id));
"""


class DocumentRecipient(SoapServer):
    """A document recipient, with the option Accepts Limited Metadata.

    organizations : {identifier (XON.10): name (XON.1)} of those whose recipient it is; the name decides where no identifier is said
    people        : whom it reaches that are named without an organization: identifiers (XCN.1) or e-mail addresses (XTN.4)
    folder        : where it keeps what it took; a temporary one, gone at the end, if not given
    certificates  : as of ``WebServer``
    """

    def __init__(self, name="ECC_RECIPIENT", organizations=None, people=(), folder=None, port=0, certificates=None):
        super().__init__(name, port, certificates)
        self.organizations, self.people, self.folder = dict(organizations or {"2.999.1.2": "ECC"}), set(people), folder
        self._database = None
        self.actions = {facts.ACTIONS["ITI-41"][0]: ("ITI-41", self._provide)}

    def __repr__(self):
        if not self._runs:
            return f"<document recipient {self.name} is stopped>"
        (count,) = self._database.row("SELECT count(*) FROM document")
        return f"<document recipient {self.name} runs: {count} documents, {len(self.journal)} events>"

    def _begin(self):
        self._database = Database(self.folder, "recipient", _TABLES)
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
            try:
                problems = self.take(entries, documents)
            except sqlite3.Error as failure:
                problems = [Problem("XDSRepositoryError", f"The recipient could not keep it: {failure}.")]
        # A recipient reports what is wrong with metadata as a repository does (Table 4.2.4.1-2).
        problems = [one._replace(code="XDSRepositoryMetadataError") if one.code == "XDSRegistryMetadataError" else one for one in problems]
        return soap.Message(facts.ACTIONS["ITI-41"][1], registry_response(problems), reply_to=None, packaged=True)

    def take(self, entries, documents):
        """Take a submission. Returns a list of Problem; with an error among them nothing was kept.

        documents : {id of the document entry: bytes}
        """
        problems = metadata.check(entries, "XDR") + check_documents(entries, documents)
        if problems:
            return problems
        submission_set = next(entry for entry in entries if entry.kind == SET)
        recipients = submission_set.get("intendedRecipient", ())
        strangers = [one for one in recipients if not self._reaches(one)]
        # Nobody of them here is an error; some elsewhere is none, as the others have it.
        problems = [Problem("UnknownRecipient", f"{one} is not known here.", len(strangers) < len(recipients)) for one in strangers]
        if strangers and len(strangers) == len(recipients):
            return problems
        unique_id = submission_set["uniqueId"]
        if not self._keep(unique_id, entries, documents):
            return [Problem("XDSDuplicateUniqueIdInRegistry", f"The SubmissionSet {unique_id} came with another content before.")]
        if any(entry.kind == FOLDER for entry in entries):
            problems.append(Problem("PartialFolderContentNotProcessed", "Folders are kept with the submission, and not processed.", True))
        links = [entry for entry in entries if entry.kind == ASSOCIATION and entry["type"] in NOT_PROCESSED]
        return problems + [Problem(NOT_PROCESSED[link["type"]], f"How {link['source']} relates to {link['target']} is not processed.", True)
                           for link in links]

    def _reaches(self, recipient):
        """Whether an intendedRecipient, XON|XCN|XTN, is here."""
        organization, person, address = (recipient.split("|") + [""] * 2)[:3]
        name, *_, identifier = (organization.split("^") + [""] * 9)[:10]
        if organization:
            return identifier in self.organizations if identifier else name in self.organizations.values()
        return bool({person.partition("^")[0], (address.split("^") + [""] * 3)[3]} & self.people)

    def _keep(self, unique_id, entries, documents):
        """Keep a submission. One that comes again, because its sender missed the answer, is kept already; False if it's another one."""
        with self._database.lock:
            if self._database.row("SELECT 1 FROM submission WHERE unique_id = ?", unique_id):
                kept = dict(self._database.rows("SELECT id, content FROM document WHERE submission = ?", unique_id))
                return (self.entries(unique_id), kept) == (entries, documents)
            with self._database.transaction():
                self._database.run("INSERT INTO submission VALUES (?, ?)", unique_id, xml.text(metadata.write(entries)))
                self._database.run_many("INSERT INTO document VALUES (?, ?, ?)", [(unique_id, *one) for one in documents.items()])
        return True

    def _told(self, reply):
        return told(reply.body)

    # What was received

    def received(self):
        """What was taken, a DataFrame with a row for each document in the order of arrival: submission (uniqueId of the set), time
        (submissionTime), source (sourceId), recipients (XON|XCN|XTN), patient, document (uniqueId), title, media_type, size (bytes), and
        whether its metadata are limited."""
        import pandas as pd

        rows = []
        for (unique_id,) in self._database.rows("SELECT unique_id FROM submission ORDER BY rowid"):
            entries = self.entries(unique_id)
            one = next(entry for entry in entries if entry.kind == SET)
            sizes = dict(self._database.rows("SELECT id, length(content) FROM document WHERE submission = ?", unique_id))
            rows += [(unique_id, one["submissionTime"], one["sourceId"], ", ".join(one.get("intendedRecipient", ())),
                      entry.get("patientId", ""), entry["uniqueId"], entry.get("title", ""), entry["mimeType"], sizes[entry.id],
                      "limitedMetadata" in entry) for entry in entries if entry.kind == DOCUMENT]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def entries(self, submission):
        """The metadata of a submission, as they came: a list of Entry. Raises KeyError."""
        row = self._database.row("SELECT metadata FROM submission WHERE unique_id = ?", submission)
        if row is None:
            raise KeyError(submission)
        return metadata.read(xml.parse(row[0].encode("utf-8")))[0]

    def document(self, submission, unique_id):
        """The bytes of a document of a submission. Raises KeyError."""
        for entry in self.entries(submission):
            if entry.kind == DOCUMENT and entry["uniqueId"] == unique_id:
                return self._database.row("SELECT content FROM document WHERE submission = ? AND id = ?", submission, entry.id)[0]
        raise KeyError(unique_id)
