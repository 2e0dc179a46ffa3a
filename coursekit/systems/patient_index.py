"""A patient index: which numbers of which hospitals are one person, found by weights that can be looked at.

    index = PatientIndex({"2.999.1.1": "HVGH", "2.999.1.2": "ECC", "2.999.1.9": "NMH"})
    index.admit(Identifier("2.999.1.1", "HV100234"), Person("VANDERMEER", "ANNA", birth_date="19610817", sex="F"))
    index.cross_reference(Identifier("2.999.1.1", "HV100234"))       # the same person's other numbers
    compare(one, other)                                              # why two records are one person, or are not

Two records are compared field by field; each agreement adds the logarithm of how much more often it is met in one person's records than in
those of two (Fellegi and Sunter). From LINK on they are linked; from REVIEW on a person decides. Two numbers of one hospital are never
linked by themselves: they are a duplicate that its registration has to merge.
"""

import difflib
import json
import unicodedata
from typing import NamedTuple

from coursekit.errors import CourseError
from coursekit.systems.database import Database

LINK, REVIEW = 16.0, 9.0
WEIGHTS = {             # field: {how it agrees: weight}
    "family": {"same": 8.0, "alike": 4.5, "other": -4.0},
    "given": {"same": 5.5, "alike": 3.0, "initial": 1.5, "other": -3.0},
    "birth_date": {"same": 9.0, "turned": 4.5, "near": 3.0, "other": -5.0},
    "sex": {"same": 1.0, "other": -4.0},
    "zip": {"same": 4.0, "other": -1.0},
    "phone": {"same": 6.0, "other": -0.5},
}
ALIKE = 0.82                            # difflib's ratio of two names that may be one, misspelt

_TABLES = """
CREATE TABLE IF NOT EXISTS identity (domain TEXT, number TEXT, person INTEGER, values_ TEXT NOT NULL, birth TEXT, name TEXT, into_number TEXT,
    PRIMARY KEY (domain, number));
CREATE INDEX IF NOT EXISTS identity_person ON identity (person);
CREATE INDEX IF NOT EXISTS identity_birth ON identity (birth);
CREATE INDEX IF NOT EXISTS identity_name ON identity (name);
CREATE TABLE IF NOT EXISTS review (id INTEGER PRIMARY KEY, domain TEXT, number TEXT, other_domain TEXT, other_number TEXT, score REAL,
    decided TEXT, UNIQUE (domain, number, other_domain, other_number));
"""


class UnknownDomain(CourseError, LookupError):
    """An assigning authority that the index does not serve."""


class UnknownIdentifier(CourseError, LookupError):
    """A number that the index does not know, or that was merged into another."""


class IndexStopped(CourseError):
    """An index that was closed."""


class Identifier(NamedTuple):
    """A patient's number: the OID of its assigning authority, and the number itself."""

    domain: str
    number: str


class Person(NamedTuple):
    """What a hospital says of a patient; "" for what it does not know. Birth date as YYYYMMDD, sex as F, M, O or U."""

    family: str = ""
    given: str = ""
    middle: str = ""
    birth_date: str = ""
    sex: str = ""
    street: str = ""
    city: str = ""
    zip: str = ""
    phone: str = ""


class Agreement(NamedTuple):
    """How two records agree in a field, and what that weighs."""

    field: str
    how: str
    weight: float


class Review(NamedTuple):
    """Two records of which a person has to say whether they are one patient."""

    id: int
    one: Identifier
    other: Identifier
    score: float


def plain(name):
    """A name as it is compared: capitals without accents, blanks, hyphens and apostrophes."""
    letters = unicodedata.normalize("NFKD", name.upper().replace("Ø", "O").replace("ß", "SS"))
    return "".join(letter for letter in letters if letter.isalnum())


def compare(one, other):
    """How two Person agree: a list of Agreement. A field that either does not know is left out."""
    found = []
    for field, weights in WEIGHTS.items():
        a, b = getattr(one, field), getattr(other, field)
        if a and b and not (field == "sex" and "U" in (a, b)):
            how = _agreement(field, a, b)
            found.append(Agreement(field, how, weights[how]))
    return found


def score(one, other):
    """The sum of the weights of two Person."""
    return sum(one.weight for one in compare(one, other))


def _agreement(field, a, b):
    if field in ("family", "given"):
        a, b = plain(a), plain(b)
        if a == b:
            return "same"
        if field == "given" and 1 in (len(a), len(b)) and a[:1] == b[:1]:
            return "initial"
        return "alike" if difflib.SequenceMatcher(None, a, b).ratio() >= ALIKE else "other"
    if a == b:
        return "same"
    if field == "birth_date":
        if a[:4] == b[:4] and a[4:6] == b[6:] and a[6:] == b[4:6]:              # day and month in the other order
            return "turned"
        return "near" if sum(x != y for x, y in zip(a.ljust(8), b.ljust(8))) == 1 else "other"
    return "other"


class PatientIndex:
    """The index.

    domains : {OID: namespace} of the assigning authorities that it serves
    folder  : where it keeps what it must not lose; a temporary one, gone when it's closed, if not given
    changed : a function that is given the identifiers whose cross-references have changed, a list of Identifier; called after each change
    """

    def __init__(self, domains, folder=None, changed=None):
        self.domains = dict(domains)
        self._changed = changed or (lambda identifiers: None)
        self._database = Database(folder, "patients", _TABLES)

    def close(self):
        """Close the database. Whoever asks the index from now on gets IndexStopped."""
        database, self._database = self._database, _Closed()
        if not isinstance(database, _Closed):
            database.close()

    def __len__(self):
        return self._database.row("SELECT count(*) FROM identity WHERE into_number IS NULL")[0]

    # What it is told

    def admit(self, identifier, person):
        """Take a patient's record as a hospital has it now. A new number is linked to the person that it fits, or becomes a new one.

        Raises UnknownDomain, and UnknownIdentifier for a number that was merged into another.
        """
        self._served(identifier.domain)
        with self._database.lock:
            row = self._database.row("SELECT person, into_number FROM identity WHERE domain = ? AND number = ?", *identifier)
            if row and row[1]:
                raise UnknownIdentifier(f"{identifier.number} was merged into {row[1]}.")
            with self._database.transaction():
                if row is None:
                    number = self._fitting(identifier, person)
                    self._write(identifier, person, number if number is not None else self._new_person())
                else:
                    self._write(identifier, person, row[0])
        if row is None:
            self._tell([identifier])

    def merge(self, surviving, retired):
        """One hospital has found that two of its numbers are one patient: `retired` is `surviving` from now on (HL7 A40).

        Raises UnknownIdentifier when one of them is not known and living, or both are the same, or of two hospitals.
        """
        with self._database.lock:
            rows = [self._living(one) for one in (surviving, retired)]
            if surviving.domain != retired.domain or surviving == retired:
                raise UnknownIdentifier("A merge concerns two numbers of one assigning authority.")
            with self._database.transaction():
                self._database.run("UPDATE identity SET into_number = ? WHERE domain = ? AND number = ?", surviving.number, *retired)
                self._database.run("UPDATE identity SET person = ? WHERE person = ?", rows[0], rows[1])
        self._tell([surviving])

    def link(self, one, other):
        """A person has decided that two records are one patient."""
        with self._database.lock:
            to, gone = self._living(one), self._living(other)
            with self._database.transaction():
                self._database.run("UPDATE identity SET person = ? WHERE person = ?", to, gone)
        self._tell([one])

    def unlink(self, identifier):
        """A person has decided that a record is nobody else's: it's a person of its own again."""
        with self._database.lock:
            before = [one for one in self.cross_reference(identifier)]
            with self._database.transaction():
                self._database.run("UPDATE identity SET person = ? WHERE domain = ? AND number = ?", self._new_person(), *identifier)
        self._tell([identifier, *before[:1]])

    def reviews(self):
        """What waits for a person's decision: a list of Review, the most likely first."""
        rows = self._database.rows("SELECT id, domain, number, other_domain, other_number, score FROM review WHERE decided IS NULL ORDER BY score DESC, id")
        return [Review(id, Identifier(a, b), Identifier(c, d), score) for id, a, b, c, d, score in rows]

    def decide(self, review, same):
        """Answer a Review: whether its two records are one patient."""
        if same:
            self.link(review.one, review.other)
        with self._database.transaction():
            self._database.run("UPDATE review SET decided = ? WHERE id = ?", "same" if same else "other", review.id)

    # What it is asked

    def cross_reference(self, identifier, domains=None):
        """The other numbers of a person: a list of Identifier, by domain and number, without the one that is asked for.

        domains : the OIDs of the assigning authorities of interest; all if None

        Raises UnknownDomain, UnknownIdentifier.
        """
        self._served(identifier.domain)
        for one in domains or ():
            self._served(one)
        with self._database.lock:
            person = self._living(identifier)
            rows = self._database.rows("SELECT domain, number FROM identity WHERE person = ? AND into_number IS NULL ORDER BY domain, number", person)
        return [Identifier(*row) for row in rows if Identifier(*row) != identifier and (not domains or row[0] in domains)]

    def person(self, identifier):
        """What the hospital says of one of its patients: a Person. Raises UnknownIdentifier."""
        self._living(identifier)
        return self._record(self._database.row("SELECT values_ FROM identity WHERE domain = ? AND number = ?", *identifier)[0])

    def search(self, criteria, domains=None):
        """The persons that fit: a list of (list of Identifier, Person), one for each person, in order of the first number.

        criteria : {field of Person, "number" or "domain" (an OID): text}; a * at its end matches anything. Case and accents of names do
                   not count. Number and domain are those of one identifier
        domains  : a person without a number of one of these is left out
        """
        for one in domains or ():
            self._served(one)
        found = {}
        with self._database.lock:
            for domain, number, person, values in self._database.rows(
                    "SELECT domain, number, person, values_ FROM identity WHERE into_number IS NULL ORDER BY domain, number"):
                record = self._record(values)
                known = record._asdict() | {"number": number, "domain": domain}
                if person not in found and all(_fits(known[field], text, field) for field, text in criteria.items()):
                    found[person] = record
            people = []
            for person, record in found.items():
                rows = self._database.rows("SELECT domain, number FROM identity WHERE person = ? AND into_number IS NULL ORDER BY domain, number", person)
                numbers = [Identifier(*row) for row in rows if not domains or row[0] in domains]
                if numbers:
                    people.append((numbers, record))
        return people

    def identities(self):
        """All living records: a list of (Identifier, Person, number of the person)."""
        rows = self._database.rows("SELECT domain, number, values_, person FROM identity WHERE into_number IS NULL ORDER BY domain, number")
        return [(Identifier(domain, number), self._record(values), person) for domain, number, values, person in rows]

    def domain(self, namespace="", oid=""):
        """The OID of an assigning authority that is named by namespace, by OID, or by both.

        Raises UnknownDomain when there is none, or the two name different ones.
        """
        found = oid if oid in self.domains else next((one for one, name in self.domains.items() if name == namespace and not oid), None)
        if found is None or namespace and self.domains[found] != namespace:
            raise UnknownDomain(f"The assigning authority {namespace}&{oid} is not served here.")
        return found

    # How

    def _served(self, domain):
        if domain not in self.domains:
            raise UnknownDomain(f"The assigning authority {domain} is not served here.")

    def _living(self, identifier):
        """The person of a number. Raises UnknownIdentifier."""
        row = self._database.row("SELECT person, into_number FROM identity WHERE domain = ? AND number = ?", *identifier)
        if row is None:
            raise UnknownIdentifier(f"{identifier.number} is not known in {self.domains.get(identifier.domain, identifier.domain)}.")
        if row[1]:
            raise UnknownIdentifier(f"{identifier.number} was merged into {row[1]}.")
        return row[0]

    def _fitting(self, identifier, person):
        """The person that a new record is linked to, or None; what is not certain goes into review."""
        best, doubtful = {}, []
        for domain, number, other, values in self._candidates(person):
            record = self._record(values)
            points = score(person, record)
            if points >= LINK and domain != identifier.domain:
                best[other] = max(points, best.get(other, 0.0))
            elif points >= REVIEW:
                doubtful.append((domain, number, points))
        # A person who has a number of this hospital already is not linked: one of the two would be a duplicate.
        free = {other: points for other, points in best.items()
                if not self._database.row("SELECT 1 FROM identity WHERE person = ? AND domain = ? AND into_number IS NULL", other, identifier.domain)}
        chosen = next(iter(free)) if len(free) == 1 else None
        taken = [(domain, number, points) for domain, number, other, values in self._candidates(person) if other in best and other != chosen
                 for points in [best[other]]]
        for domain, number, points in [*doubtful, *taken]:
            self._database.run("INSERT OR IGNORE INTO review (domain, number, other_domain, other_number, score) VALUES (?, ?, ?, ?, ?)",
                               *identifier, domain, number, points)
        return chosen

    def _candidates(self, person):
        """The records worth comparing: of the same birth date, with day and month turned, or of the same name."""
        turned = person.birth_date[:4] + person.birth_date[6:] + person.birth_date[4:6] if len(person.birth_date) == 8 else ""
        return self._database.rows("SELECT domain, number, person, values_ FROM identity WHERE into_number IS NULL AND (birth IN (?, ?) AND birth <> '' "
                          "OR name = ?) ORDER BY domain, number", person.birth_date, turned, _key(person))

    def _new_person(self):
        return (self._database.row("SELECT max(person) FROM identity")[0] or 0) + 1

    def _write(self, identifier, person, number):
        self._database.run("INSERT INTO identity VALUES (?, ?, ?, ?, ?, ?, NULL) ON CONFLICT (domain, number) DO UPDATE SET values_ = "
                               "excluded.values_, birth = excluded.birth, name = excluded.name",
                           *identifier, number, json.dumps(person), person.birth_date, _key(person))

    def _tell(self, identifiers):
        self._changed(identifiers)

    @staticmethod
    def _record(values):
        return Person(*json.loads(values))


class _Closed:
    """What stands in the place of the database of an index that was closed."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise IndexStopped("This patient index is stopped and answers nothing any more: start it again with the cell that started it first, "
                           "which also tells it of its patients, and go on from there.")


def _key(person):
    return f"{plain(person.family)} {plain(person.given)}"


def _fits(value, wanted, field):
    if field in ("family", "given", "middle", "street", "city"):
        value, star = plain(value), wanted.endswith("*")
        wanted = plain(wanted) + ("*" if star else "")
    return value.startswith(wanted[:-1]) if wanted.endswith("*") else value == wanted
