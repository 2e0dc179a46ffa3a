"""The archive's queue of exceptions on Monday morning: studies that a rule, a reader or a colleague put there.

One study of each class of lab A1 that happened in the last 30 days, and one that is sound, in an order that tells nothing. In a very
small edition a class may be missing.
"""

from typing import NamedTuple

from coursekit.hospital.catalogue import PLACE, PROCEDURES
from coursekit.hospital.clock import to_local
from coursekit.hospital.draws import Draws
from coursekit.hospital.flow import Order, flow, seconds_of, span
from coursekit.hospital.incidents import text

SOUND = "sound"
CLASSES = (*(f"A1-{number:02d}" for number in range(1, 14)), SOUND)
MINUTE = 60


class Case(NamedTuple):
    """A study of the queue.

    number    : its place in the queue, from 1
    kind      : its class, a key of ``incidents.KINDS``, or SOUND
    study_uid : Study Instance UID
    facts     : the facts of its incident; empty if it is sound
    dossier   : what the systems say of it: text of several lines
    """

    number: int
    kind: str
    study_uid: str
    facts: dict
    dossier: str


def queue(h):
    """The queue of hospital `h`: a list of Case, by number. The same for a seed at any time."""
    desk = Desk(h)
    chosen = [(kind, *found) for kind in CLASSES if (found := desk.choose(kind))]
    order = desk.draws.raw(len(chosen)).argsort(kind="stable").tolist()
    return [Case(number, chosen[place][0], *chosen[place][1:], desk.dossier(chosen[place][1]))
            for number, place in enumerate(order, 1)]


class Desk:
    """What somebody who triages can look up."""

    def __init__(self, h):
        self.h, self.draws = h, Draws(h.seed, "exceptions")
        self.flow = flow(h, *span())
        self.by_uid = {study.uid: study for study in self.flow.studies.values()}
        self.steps = {}
        for step in h.mpps:
            if not step.reason or step.reason[0] != "110514":         # begun with the wrong entry and given up at once
                self.steps[step.study_uid] = step
        # Studies in which one thing is wrong, and not two: the classes seen in each.
        self.kinds = {h.truth["case_17"]["study_uid"]: {"C17", "A1-01"}}
        for incident in h.incidents:
            if incident.id.startswith("A1"):
                for study in self.studies_of(incident.id[:5], incident.facts):
                    self.kinds.setdefault(study.uid, set()).add(incident.id[:5])
        self.sides = {}
        for incident in h.incidents:
            if incident.id.startswith("A1-12"):
                self.sides[incident.facts["order_pk"]] = incident.facts["ordered_laterality"]

    def choose(self, kind):
        """(Study Instance UID, facts) of a study of `kind`, or None if there is none in which nothing else is odd."""
        if kind == SOUND:
            spoilt = {study for keys in self.h.truth["planted"].values() for study in keys if isinstance(study, int)}
            spoilt |= {incident.facts.get("study_pk") for incident in self.h.incidents}
            spoilt |= {self.by_uid[uid].pk for uid in self.kinds}
            sound = [study for study in self.flow.studies.values()
                     if study.pk not in spoilt and study.complete and study.series and study.order_pk in self.flow.orders
                     and study.accession == self.flow.orders[study.order_pk].accession
                     and study.patient_pk == self.flow.orders[study.order_pk].patient_pk and study.uid in self.steps
                     and not self.odd_name(study.patient_pk)]
            return (sound[self.draws.one(0, len(sound) - 1)].uid, {}) if sound else None
        found = []
        for incident in self.h.incidents:
            facts = incident.facts
            if not incident.id.startswith(kind) or len(incident.systems) < 2:
                continue
            for study in self.studies_of(kind, facts):
                if self.kinds[study.uid] == {kind} and study.series and (kind == "A1-08") == self.odd_name(study.patient_pk):
                    found.append((study.uid, facts))
        if not found:
            return None
        return found[self.draws.one(0, len(found) - 1)]

    def studies_of(self, kind, facts):
        """The studies that an incident is seen in, of the last 30 days."""
        if kind == "A1-07":
            known = self.flow.studies.get(facts.get("study_pk"))
            return [known] if known else []
        if kind == "A1-08":
            return [study for study in self.flow.studies.values()
                    if study.patient_pk == facts["patient_pk"] and study.complete and study.uid in self.steps
                    and study.order_pk in self.flow.orders and study.accession == self.flow.orders[study.order_pk].accession
                    and study.patient_pk == self.flow.orders[study.order_pk].patient_pk]
        known = self.by_uid.get(facts.get("study_uid"))
        if known is None or kind == "A1-01" and (known.accession is not None or known.order_pk is None):
            return []
        return [known]

    def odd_name(self, patient_pk):
        """Whether the archive has the patient's name in another form than the HIS."""
        return self.flow.patients[patient_pk].received != self.flow.patients[patient_pk].name

    # ---- the dossier

    def dossier(self, uid):
        study = self.by_uid[uid]
        patient = self.flow.patients[study.patient_pk]
        sides = sorted({series.laterality for series in study.series if series.laterality})
        stations = sorted({series.station for series in study.series if series.modality not in ("PR", "KO")})
        held = sum(series.amount for series in study.series)
        lines = [
            f"ARCHIVE    study {uid}",
            f"           patient {patient.pid}  {patient.received}  born {patient.birth_date or 'unknown'}  {patient.sex or '?'}",
            f"           accession {study.accession or '(none)'}   {study.description or '(no description)'}",
            f"           {', '.join(sorted({series.modality for series in study.series}))} by {', '.join(stations) or '?'}, "
            f"body part {self.parts(study)}{', side ' + ', '.join(sides) if sides else ''}",
            f"           began {study.local}, {held} objects in {len(study.series)} series, status {study.status}",
        ]
        lines += self.doubles(study)
        lines += self.beside(study)
        lines += self.orders(study)
        lines += self.step(study, held)
        lines += self.messages(study)
        return "\n".join(line.rstrip() for line in lines)

    def doubles(self, study):
        rows = self.h.pacs.rows(
            "SELECT i.sop_uid, count(DISTINCT f.sha256) FROM series r JOIN instance i ON i.series_pk = r.pk "
            f"JOIN file f ON f.instance_pk = i.pk WHERE r.study_pk = {study.pk} GROUP BY i.pk HAVING count(DISTINCT f.sha256) > 1")[1]
        return [f"           SOP Instance UID {uid}: {count} files with different SHA-256" for uid, count in rows]

    def parts(self, study):
        """The body parts that the images of a study say."""
        rows = self.h.pacs.rows(
            f"SELECT DISTINCT body_part FROM series WHERE study_pk = {study.pk} AND body_part IS NOT NULL ORDER BY 1")[1]
        return ", ".join(row[0] for row in rows) or "(none)"

    def beside(self, study):
        """The patient's other studies that began from two hours before to two hours after: what became of another order, or of this one."""
        began = seconds_of([study.local])[0]
        own = [other for other in self.flow.studies.values() if other.patient_pk == study.patient_pk and other.pk != study.pk]
        found = sorted((other for other in own if abs(seconds_of([other.local])[0] - began) <= 120 * MINUTE), key=lambda one: one.pk)
        return [f"           also: study {other.uid}, began {other.local[11:]}, accession {other.accession or '(none)'}, "
                f"{other.description or '(no description)'}, body part {self.parts(other)}" for other in found]

    def orders(self, study):
        """The orders of this patient and of this station, from two hours before the exam to two hours after."""
        station = next((series.station for series in study.series if series.modality not in ("PR", "KO")), None)
        began = seconds_of([study.local])[0]
        person = self.flow.patients[study.patient_pk]
        found = []
        for order in self.flow.orders.values():
            near = abs(order.scheduled - began) <= 120 * MINUTE and order.cancelled is None
            patient = self.flow.patients[order.patient_pk]
            own = order.patient_pk == study.patient_pk or patient.name == person.name
            if near and (own or order.station == station and abs(order.scheduled - began) <= 45 * MINUTE):
                found.append(order)
        found.sort(key=lambda order: (order.scheduled, order.pk))
        lines = []
        for order in found or [None]:
            lines.append(("RIS        " if not lines else "           ") + (self.order(order) if order else "no order at that time"))
        return lines

    def order(self, order: Order):
        patient = self.flow.patients[order.patient_pk]
        side = {"R": " right", "L": " left"}.get(self.side(order), "")
        return (f"order {order.accession}  {patient.pid} {patient.name}, born {patient.birth_date or 'unknown'}, {order.description}{side}, "
                f"{order.station} at {text(order.scheduled)[11:16]}, {order.status}")

    def side(self, order):
        """The side that was ordered, R or L, or None: of the images that the order led to, unless they contradict it."""
        if order.pk in self.sides or not PROCEDURES[PLACE[order.code]].sided:
            return self.sides.get(order.pk)
        made = self.flow.study_of.get(order.pk)
        if made is None or made.pk in self.h.truth["worklist_choice"]:
            return None
        sides = {series.laterality for series in made.series if series.laterality}
        return sides.pop() if len(sides) == 1 else None

    def step(self, study, held):
        step = self.steps.get(study.uid)
        if step is None:
            return ["MPPS       no procedure step for this study"]
        if step.status is None:
            return ["MPPS       refused by the RIS, nothing noted"]
        accessions = ", ".join([step.accession or "(none)", *(other[0] for other in step.also)])
        listed = sum(series.n_images + series.n_other for series in step.series)
        made_later = sum(series.amount for series in study.series if series.modality in ("PR", "KO"))
        counts = f", lists {listed} objects, {held - made_later} arrived" if step.series else ""
        return [f"MPPS       {step.status}, patient {step.patient_id}, accession {accessions}{counts}"]

    def messages(self, study):
        """ADT^A40 that concern the patient of the study."""
        patient = self.flow.patients[study.patient_pk]
        lines = []
        for incident in self.h.incidents:
            if incident.id.startswith("A1-07") and incident.facts["retired_id"] == patient.pid:
                when = text(int(to_local(seconds_of([incident.facts["merged_utc"]])[0])))
                lines.append(f"HL7        ADT^A40 of {when}: MRG-1 {incident.facts['retired_id']}, PID-3 {incident.facts['surviving_id']}")
        return lines
