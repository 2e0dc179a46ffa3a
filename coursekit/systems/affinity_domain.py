"""An affinity domain that runs: Northmere's patient index, registry and gateway, Harbour Vale's repository, archive and imaging source.

    with AffinityDomain() as domain:
        domain.registry.know("NM100017^^^&2.999.1.9&ISO")
        document_sharing.provide(domain.repository.url, entries, documents)
        domain.journal                                  # what all of them said to each other, in order

Each actor is a system of its own, and any of them can be another one: AffinityDomain(registry=Registry(codes=...)).

Sources: IHE ITI TF-1 10 (XDS.b), 5 and 8 (PIX, PDQ), 9 (ATNA), 18 (XCA); RAD TF-1 18 (XDS-I.b).
"""

from contextlib import ExitStack

from coursekit.systems.archive import Archive
from coursekit.systems.audit_repository import AuditRepository, AuditSender
from coursekit.systems.gateways import RespondingGateway
from coursekit.systems.imaging_source import ImagingSource
from coursekit.systems.pix_manager import PixManager
from coursekit.systems.registry import Registry
from coursekit.systems.repository import Repository
from coursekit.systems.system import System
from coursekit.systems.transaction_audit import TransactionAudit

HOME = "urn:oid:2.999.1.9"              # Northmere's homeCommunityId
REPOSITORY, SOURCE = "2.999.1.1.72", "2.999.1.1.71"


class AffinityDomain(System):
    """The domain, whose actors run as long as it does.

    registry, index : a Registry, a PixManager; own ones if None. Others are started and stopped with the domain
    home            : its homeCommunityId

    `repository`, `archive`, `source`, `gateway` and `trail` (a Repository, Archive, ImagingSource, RespondingGateway and AuditRepository) are
    there once it runs. All but archive and trail leave a record of each transaction in the trail.
    """

    def __init__(self, registry=None, index=None, home=HOME, name="Northmere"):
        super().__init__(name)
        self.registry, self.index, self.home = registry or Registry(), index or PixManager(), home
        self.repository = self.archive = self.source = self.gateway = self.trail = self._actors = None

    def __repr__(self):
        return f"<affinity domain {self.name} {'runs' if self._runs else 'is stopped'}: {len(self.journal)} events>"

    def _begin(self):
        self._actors = ExitStack()
        self.trail = self._actors.enter_context(AuditRepository())
        self._add(self.index, "nmh-index")
        self._add(self.registry, "nmh-registry")
        self.repository = self._add(Repository("HV_REPOSITORY", REPOSITORY, self.registry.url), "hv-repository")
        self.archive = self._add(Archive("HV_VNA"))
        self.source = self._add(ImagingSource(self.archive.store, SOURCE), "hv-vna")
        gateway = RespondingGateway(self.home, self.registry.url, {REPOSITORY: self.repository.url})
        self.gateway = self._add(gateway, "nmh-gateway")

    def _add(self, actor, host=None):
        """Start an actor, which writes into the domain's journal; with a host, its transactions leave records."""
        actor.journal = self.journal
        if host:
            sender = self._actors.enter_context(AuditSender(self.trail.host, self.trail.port))
            actor.audit = TransactionAudit(sender, host)
        return self._actors.enter_context(actor)

    def _end(self):
        if self._actors:
            self._actors.close()
            self._actors = None
