"""The hospital as a notebook sees it."""

from collections.abc import Mapping
from functools import cached_property

from coursekit.errors import CourseError
from coursekit.hospital import schema, world


class NoSuchTable(CourseError, KeyError):
    """A name that no table has."""

    __str__ = Exception.__str__             # a KeyError would put its sentence in quotes


class Tables(Mapping):
    """The tables of a PACS database by name, each a pandas DataFrame that is read when it is first asked for."""

    def __init__(self, database):
        self._database, self._read = database, {}

    def __getitem__(self, name):
        if name not in schema.BY_NAME:
            raise NoSuchTable(f"There is no table {name!r}; there are {', '.join(self)}.")
        if name not in self._read:
            self._read[name] = self._database().sql(f"SELECT * FROM {name} ORDER BY rowid")
        return self._read[name].copy()

    def __iter__(self):
        return iter(schema.BY_NAME)

    def __len__(self):
        return len(schema.BY_NAME)

    def __repr__(self):
        return f"<tables: {', '.join(self)}>"


class Hospital:
    """One edition of the simulated hospital. All persons in it are invented.

    Attributes
    ----------
    seed : int
        What the edition was made from.
    scale : str or int
        'tiny', 'default', or the number of studies.
    studies : int
        The number of studies.
    name : str
    now : datetime.datetime
        The course clock: Monday 7 April 2025, 07:30, Europe/Amsterdam, for every seed. `today` is its date.
    tables : mapping of str to DataFrame
    """

    name = world.NAME
    now = world.NOW
    today = world.NOW.date()

    def __init__(self, seed, scale, studies, committed):
        self.seed, self.scale, self.studies, self._committed = seed, scale, studies, committed
        self.tables = Tables(lambda: self.pacs)

    def __repr__(self):
        return f"<{self.name}, edition {self.seed}: {self.studies:,} studies, {self.now:%Y-%m-%d %H:%M}>"

    @cached_property
    def _archive(self):
        from coursekit.hospital.records import archive
        return archive(self.seed, self.studies)

    @cached_property
    def pacs(self):
        """The PACS database: a ``Database``."""
        if self._committed:
            from coursekit.hospital.edition import open_default
            return open_default()
        from coursekit.hospital.database import Database
        return Database(tables=self._archive.tables())

    @cached_property
    def truth(self):
        """What the generator knows and the archive does not: a dict. Keys of rows are the pk of the tables.

        case_17 : dict
            Identifiers, times and keys of the incident.
        people : dict
            The persons of the story: role -> patient_pk, pid, name.
        planted : dict
            Kind of fault -> list of keys: of studies, or of what the kind names (patients, series, instances).
        typed_for : dict
            patient_pk of a record made by a typing error -> patient_pk of the person's own record.
        study_order : dict of lists
            study_pk, order_pk: the order that each study fulfils.
        worklist_choice : dict
            study_pk -> order_pk under which it was made, where that is another one or (None) none, by a slip at the worklist.
        also_did : dict
            study_pk -> order_pk of the second order that the study fulfils.
        study_person : dict of lists
            study_pk, patient_pk of the person examined, began_utc by a right clock.
        """
        return self._archive.truth()

    @cached_property
    def staff(self):
        """Who works here: ``coursekit.hospital.staff.Staff``, with accounts, shifts and relations to patients."""
        from coursekit.hospital.staff import Staff
        return Staff(self)

    @cached_property
    def audit(self):
        """The audit record repository: ``coursekit.hospital.audit.Audit``, thirty days of messages."""
        from coursekit.hospital.audit import Audit
        return Audit(self)

    @cached_property
    def logs(self):
        """What machines wrote down: ``coursekit.hospital.logs.Logs``, each log made when it is asked for."""
        from coursekit.hospital.logs import Logs
        return Logs(self)

    @cached_property
    def servers(self):
        """Insides of servers and workstations: ``coursekit.hospital.servers.Servers``, a file tree and transcripts."""
        from coursekit.hospital.servers import Servers
        return Servers(self)

    @cached_property
    def incidents(self):
        """What went wrong with patients and messages: a list of ``coursekit.hospital.incidents.Incident``."""
        from coursekit.hospital.incidents import incidents
        return incidents(self)

    @cached_property
    def all_incidents(self):
        """These, and what went wrong on the network, in the server room, among users and in the region: a list of Incident."""
        from coursekit.hospital.incidents import everything
        return everything(self)

    @cached_property
    def registry(self):
        """The regional exchange: ``coursekit.hospital.registry.Registry``, thirty days of identity feed, entries and log."""
        from coursekit.hospital.registry import exchange
        return exchange(self)

    @cached_property
    def feed(self):
        """The HL7 v2 messages of the last 30 days: a list of ``coursekit.hospital.feed.Message``, in order of time."""
        from coursekit.hospital.feed import feed
        return feed(self)

    @cached_property
    def worklist(self):
        """The modality worklist: ``items(at)``, and `queries`, the log of the last 30 days."""
        from coursekit.hospital.worklist import Worklist
        return Worklist(self)

    @cached_property
    def mpps(self):
        """The performed procedure steps of the last 30 days: a list of ``coursekit.hospital.worklist.Step``."""
        from coursekit.hospital.worklist import mpps
        return mpps(self)

    @cached_property
    def projects(self):
        """Project, procurement and management files: ``coursekit.hospital.projects.Projects``, each part made when asked for."""
        from coursekit.hospital.projects import Projects
        return Projects(self)

    def image(self, name):
        """The DICOM image `name` of this hospital: a Dataset, or a series as a list of them (``coursekit.hospital.images``)."""
        from coursekit.hospital.images import image
        return image(name, self.seed)

    @property
    def captures(self):
        """The names of the network captures: a tuple of str."""
        from coursekit.hospital.captures import NAMES
        return NAMES

    def capture(self, name):
        """The network capture `name` of this hospital with its truth: a ``coursekit.hospital.captures.Capture``."""
        from coursekit.hospital.captures import capture
        return capture(name, self)
