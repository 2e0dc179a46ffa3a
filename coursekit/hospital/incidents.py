"""What went wrong at the hospital: each incident with the facts that tie its traces together.

A fault planted in one place shows, as it would in life, in all the systems that saw it. The rooms that render a system's
traces (feed, worklist, audit, captures, logs, ...) take the incidents of the hospital and write what that system
would have noted. Each has a function ``trace(h, incident)`` that finds an incident in its own output by the facts alone;
a test compares what they find.
"""

from typing import NamedTuple

from coursekit.hospital import clock, story
from coursekit.hospital.clock import DAY
from coursekit.hospital.draws import Draws
from coursekit.hospital.flow import clean_name, flow, locked_out, seconds_of, span

SYSTEMS = {
    "pacs": "the PACS database",
    "feed": "HL7 v2 messages between HIS, RIS, engine and PACS",
    "worklist": "modality worklist queries and items",
    "mpps": "modality performed procedure steps",
    "audit": "audit messages in the audit record repository",
    "capture": "network captures",
    "log": "system and vendor logs",
    "registry": "the regional exchange: identity feed and document registry",
}

# Class of incident: what it is. Those that only one system shows (labs B1, B3, D2, F8, K4) say it themselves.
KINDS = {
    "A1-01": "study without accession number",
    "A1-02": "study under a mistyped patient ID",
    "A1-03": "images of one exam under another order of the same patient",
    "A1-04": "images under the order of another patient",
    "A1-05": "one order, two studies",
    "A1-06": "two orders, one study",
    "A1-07": "patient merged after the exam",
    "A1-08": "name written in another way",
    "A1-09": "exam never reported complete",
    "A1-10": "archive holds fewer images than the procedure step lists",
    "A1-11": "two images with one SOP Instance UID",
    "A1-12": "laterality of order and images contradict",
    "A1-13": "accession number cut to 16 characters",
    "C17": "unverified emergency CT without worklist",
    "E1-01": "message sent twice with one control ID",
    "E1-02": "change of an order overtakes the order",
    "E1-03": "ADT^A40 with survivor and retired number exchanged",
    "E1-04": "ADT^A34 where the receiver wants A40",
    "E1-05": "accession number longer than 16 characters",
    "E1-06": "engine drops the assigning authority of MRG-1",
    "E1-07": "MSH-18 names another character set than the bytes are in",
    "E1-08": "segments ended by line feeds",
    "E1-09": "ampersand not escaped",
    "E1-10": "local procedure code changed without notice",
    "E1-11": "flood of ADT^A08",
    "E1-12": "change of an order sent as a new order",
    "E1-13": "test patient in the production feed",
    "E1-14": "ACK AR with a text and no ERR",
    "E1-15": "message cut off in transmission",
    "E1-16": "birth date with zeros for month and day",
}

# The instants of Case 17 that the archive does not know of (UTC): refusals by worklist, MPPS and registry.
WORKLIST_REFUSED = clock.seconds("2025-03-30 01:36:20")
MPPS_REFUSED = clock.seconds("2025-03-30 01:41:00")
MANIFEST_REFUSED = clock.seconds("2025-03-30 05:40:12")


class Incident(NamedTuple):
    """One incident.

    id      : lab, class and number, such as "A1-04-2"; stable for a seed
    kind    : what happened, in a few words
    at_utc  : when it began, 'YYYY-MM-DD HH:MM:SS'
    facts   : dict of the identifiers and times that its traces share: patient_id, accession, study_uid, station_aet, ...
    systems : names of SYSTEMS in which it can be found

    Times among the facts have keys ending in `_utc`; keys ending in `_pk` are keys of the PACS database's rows.
    """

    id: str
    kind: str
    at_utc: str
    facts: dict
    systems: tuple


class Evidence(NamedTuple):
    """One trace of an incident in one system.

    at_utc : when the system noted it, 'YYYY-MM-DD HH:MM:SS'
    what   : which instant of the incident it shows: if the facts have the key `what` + '_utc', that is the same moment
    ids    : dict of the identifiers read from the trace, with the keys of the facts
    """

    at_utc: str
    what: str
    ids: dict


def text(seconds):
    return clock.text([seconds])[0]


class Finder:
    """Collects the incidents of one hospital; those of the last 30 days are in the feed and its companions too."""

    def __init__(self, h):
        self.h, self.truth, self.planted = h, h.truth, h.truth["planted"]
        self.since, self.until = span()
        self.flow = flow(h, self.since, self.until)
        self.draws = Draws(h.seed, "incidents")
        self.odd_names = sorted(key for kind, keys in self.planted.items() if kind.startswith("patient name: ") for key in keys)
        self.found, self.used = {}, {self.truth["case_17"]["order_pk"]}

    def add(self, kind, at, systems, **facts):
        self.found.setdefault(kind, []).append((at, facts, systems))

    def studies(self, keys):
        """Rows of the studies `keys`: dicts with the study's, its order's and its patient's identifiers."""
        keys = [key for key in keys if key != self.truth["case_17"]["study_pk"]]
        if not keys:
            return []
        columns, rows = self.h.pacs.rows(
            "SELECT s.pk AS study_pk, s.study_uid, s.accession AS study_accession, s.created_utc, s.exam_complete_utc, "
            "s.n_instances, p.pid AS study_patient_id, p.name AS study_patient_name, "
            "(SELECT station_aet FROM series WHERE study_pk = s.pk ORDER BY series_no LIMIT 1) AS station_aet "
            f"FROM study s JOIN patient p ON p.pk = s.patient_pk WHERE s.pk IN ({','.join(map(str, keys))}) ORDER BY s.pk")
        studies = [dict(zip(columns, row)) for row in rows]
        pairs = self.truth["study_order"]
        wanted = {study["study_pk"] for study in studies}
        orders = {study: order for study, order in zip(pairs["study_pk"], pairs["order_pk"]) if study in wanted}
        _, rows = self.h.pacs.rows(
            "SELECT o.pk, o.accession, o.study_uid, o.placer_number, p.pid, o.ordered_utc, o.station_aet FROM orders o "
            f"JOIN patient p ON p.pk = o.patient_pk WHERE o.pk IN ({','.join(map(str, orders.values())) or 'NULL'})")
        by_key = {row[0]: row for row in rows}
        for study in studies:
            order = by_key.get(orders.get(study["study_pk"]))
            if order:
                study.update(order_pk=order[0], accession=order[1], planned_study_uid=order[2], placer_number=order[3],
                             patient_id=order[4], ordered_utc=order[5], station_aet=study["station_aet"] or order[6])
            study["received_utc"] = study.pop("created_utc")
        return studies

    def numbers(self, keys):
        """Patient ID of each of the patient records `keys`: a dict."""
        wanted = ",".join(map(str, sorted(keys))) or "NULL"
        return dict(self.h.pacs.rows(f"SELECT pk, pid FROM patient WHERE pk IN ({wanted})")[1])

    def seen(self, study, *companions):
        """The systems that show a study's incident: the archive, and `companions` if it happened in the last 30 days."""
        known = self.flow.studies.get(study["study_pk"])
        if not known:
            return ("pacs",)
        systems = ["pacs"]
        order = self.flow.orders.get(study.get("order_pk"))
        for system in companions:
            if system == "feed" and not (order and order.ordered >= self.since):
                continue
            if system == "worklist" and not order:
                continue
            if system == "mpps" and not (
                    known.order_pk and known.began >= self.since and (known.complete or system_refused(known))):
                continue
            systems.append(system)
        return tuple(systems)

    def add_study(self, kind, study, *companions, **more):
        facts = {key: value for key, value in study.items() if key not in ("exam_complete_utc", "n_instances")}
        facts.update(more)
        if "accession" not in facts:
            facts["accession"] = None
        self.used.add(facts.get("order_pk"))
        self.add(kind, seconds_of([study["received_utc"]])[0], self.seen(study, *companions), **facts)

    # Lab A1: broken and unverified studies

    def broken_studies(self):
        planted, typed_for = self.planted, self.truth["typed_for"]
        for study in self.studies(sorted({*planted["accession number lost"], *planted["study without order"]})):
            if study["study_accession"] is None:
                self.add_study("A1-01", study, "feed", "worklist", "mpps")
        number = self.numbers({*typed_for, *typed_for.values()})
        owner = {number[typed]: number[own] for typed, own in typed_for.items()}
        for study in self.studies(sorted({*planted["study under an ID with letter O"],
                                          *planted["study under an ID with transposed digits"]})):
            study.update(typed_id=study["study_patient_id"], patient_id=owner[study["study_patient_id"]])
            self.add_study("A1-02", study, "feed", "worklist", "mpps")
        for study in self.studies(planted["second study of one order"]):
            first = [pk for pk, order in zip(*self.truth["study_order"].values())
                     if order == study["order_pk"] and pk != study["study_pk"]]
            self.add_study("A1-05", study, "feed", "worklist", "mpps", first_study_uid=self.studies(first)[0]["study_uid"])
        chosen = self.truth["worklist_choice"]
        for study in self.studies(planted["wrong order"]):
            self.used.add(chosen[study["study_pk"]])
            self.add_study("A1-03", study, "feed", "worklist", "mpps", chosen_order_pk=chosen[study["study_pk"]])
        for study, other in zip(self.studies(planted["wrong patient"]),
                                self.studies(planted["order taken for another patient"])):
            self.used.add(chosen[study["study_pk"]])
            self.add_study("A1-04", study, "feed", "worklist", "mpps", chosen_order_pk=chosen[study["study_pk"]],
                           next_study_uid=other["study_uid"])
        for study in self.studies(planted["two orders"]):
            second = self.truth["also_did"][study["study_pk"]]
            self.used.add(second)
            _, rows = self.h.pacs.rows(f"SELECT accession, study_uid FROM orders WHERE pk = {second}")
            self.add_study("A1-06", study, "feed", "worklist", "mpps", second_order_pk=second, second_accession=rows[0][0],
                           second_planned_study_uid=rows[0][1])
        for study in self.studies(planted["exam never reported complete"]):
            self.add_study("A1-09", study, "feed", "worklist", "mpps")
        for study in self.studies(planted["accession number cut to 16 characters"]):
            self.add_study("A1-13", study, "feed", "worklist", "mpps")

    def numbers_given_twice(self):
        wanted = ",".join(map(str, self.planted["two images with one SOP Instance UID"]))
        _, rows = self.h.pacs.rows(
            "SELECT i.pk, i.sop_uid, i.created_utc, r.series_uid, s.study_uid, p.pid, group_concat(f.sha256) FROM instance i "
            "JOIN file f ON f.instance_pk = i.pk AND f.filesystem_pk = 1 JOIN series r ON r.pk = i.series_pk "
            "JOIN study s ON s.pk = r.study_pk JOIN patient p ON p.pk = s.patient_pk "
            f"WHERE i.pk IN ({wanted}) GROUP BY i.pk ORDER BY i.pk")
        for key, uid, first, series, study, patient_id, sums in rows:
            second = min(seconds_of([first])[0] + self.draws.one(240, 1800), self.until - 60)
            self.add("A1-11", second, ("pacs", "log"), instance_pk=key, sop_uid=uid, series_uid=series, study_uid=study,
                     study_patient_id=patient_id, first_utc=first, second_utc=text(second), sha256=sums.split(",")[0],
                     other_sha256=sums.split(",")[1])

    def merged_patients(self):
        _, rows = self.h.pacs.rows(
            "SELECT old.pk, old.pid, old.updated_utc, new.pid, s.pk FROM patient old JOIN patient new ON new.pk = "
            "old.merged_into LEFT JOIN study s ON s.patient_pk = old.pk ORDER BY old.updated_utc, old.pk")
        for old_pk, old, merged, new, study_pk in rows:
            at = seconds_of([merged])[0]
            facts = {"retired_id": old, "surviving_id": new, "merged_utc": merged, "retired_pk": old_pk}
            if study_pk:
                facts["study_pk"] = study_pk
            self.add("A1-07", at, ("pacs", "feed") if at >= self.since else ("pacs",), **facts)

    def written_names(self):
        keys = self.odd_names
        _, rows = self.h.pacs.rows("SELECT pid, name, created_utc, pk FROM patient WHERE pk IN ("
                                   + ",".join(map(str, keys)) + ") ORDER BY pk")
        ordered = {order.patient_pk for order in self.flow.orders.values() if order.ordered >= self.since}
        for pid, name, created, pk in rows:
            at = seconds_of([created])[0]
            self.add("A1-08", at, ("pacs", "feed") if pk in ordered else ("pacs",), patient_id=pid, patient_pk=pk,
                     archive_name=name, patient_name=clean_name(name), registered_utc=created)

    def mismatches(self):
        """Procedure steps that list more images than the archive holds: all of them, or the last few were lost."""
        candidates = [study for study in self.flow.studies.values()
                      if study.complete and not study.deleted and study.order_pk in self.flow.orders]
        empty = [study.pk for study in candidates if not study.series]
        some = [study.pk for study in candidates
                if any(series.modality in ("CT", "MR", "US", "DX", "CR") for series in study.series)
                and study.order_pk not in self.used]
        chosen = self.pick(some, 2, 3)
        for study in self.studies(sorted(empty + chosen)):
            self.used.add(study["order_pk"])
            missing = self.draws.one(1, 4) if study["n_instances"] else self.draws.one(20, 60)
            self.add_study("A1-10", study, "feed", "worklist", "mpps", n_archived=study["n_instances"], n_missing=missing,
                           complete_utc=study["exam_complete_utc"])

    def contradictions(self):
        """Orders for one side, images marked with the other: the plate reader's marker was set wrong."""
        sided = [study.pk for study in self.flow.studies.values()
                 if study.order_pk in self.flow.orders and study.order_pk not in self.used
                 and self.flow.orders[study.order_pk].ordered >= self.since
                 and {series.laterality for series in study.series if series.laterality} in ({"R"}, {"L"})]
        at_cr = [pk for pk in sided if self.flow.studies[pk].series[0].station == "CR_ER1"]
        for study in self.studies(sorted(self.pick(at_cr or sided, 1, 2))):
            self.used.add(study["order_pk"])
            side = next(series.laterality for series in self.flow.studies[study["study_pk"]].series if series.laterality)
            self.add_study("A1-12", study, "feed", "worklist", "mpps", image_laterality=side,
                           ordered_laterality="L" if side == "R" else "R")

    # Labs D3 and E1: faults at home in the feed

    def pick(self, candidates, few, per_thousand_orders):
        """Some of `candidates`: at least `few`, more at a busier hospital, all if there are no more."""
        count = min(len(candidates), max(few, len(self.flow.orders) * per_thousand_orders // 1000))
        return self.draws.sample(candidates, count).tolist() if count else []

    def pick_orders(self, kind, few, per_thousand, fits, at=lambda order: order.ordered, **more):
        orders = [order.pk for order in self.flow.orders.values()
                  if order.ordered >= self.since and order.pk not in self.used and fits(order)]
        for pk in self.pick(orders, few, per_thousand):
            order = self.flow.orders[pk]
            self.used.add(pk)
            patient = self.flow.patient(order.patient_pk, order.ordered)
            facts = {"patient_id": patient.pid, "accession": order.accession, "placer_number": order.placer,
                     "planned_study_uid": order.study_uid, "order_pk": pk, "ordered_utc": text(order.ordered)}
            facts.update({key: make(order) for key, make in more.items()})
            self.add(kind, at(order), ("feed",), **facts)

    def faults_of_the_feed(self):
        patients, settled = self.flow.patients, self.until - DAY

        def sent_by(*senders):
            return lambda order: order.sender in senders and order.ordered < settled and not order.moved

        def accented(order):
            patient = patients[order.patient_pk]
            return sent_by("RIS")(order) and order.patient_pk not in self.odd_names and any(128 <= ord(sign) < 256 for sign in patient.name.split("=")[0])

        self.pick_orders("E1-02", 1, 1, lambda order: order.moved and order.sender == "RIS" and order.moved < settled,
                         at=lambda order: order.ordered, moved_utc=lambda order: text(order.moved))
        self.pick_orders("E1-12", 1, 1, lambda order: order.moved and order.sender != "CARD" and order.moved < settled,
                         at=lambda order: order.moved, moved_utc=lambda order: text(order.moved))
        self.pick_orders("E1-07", 1, 1, accented)
        self.pick_orders("E1-05", 1, 1, sent_by("ECC_RIS"), long_accession=lambda order: f"ECC-2025-{order.pk:06d}-01")
        self.pick_orders("E1-08", 1, 1, sent_by("ECC_RIS"))
        self.pick_orders("E1-10", 1, 1, lambda order: sent_by("ECC_RIS")(order) and order.ordered >= CODES_CHANGED,
                         sent_code=lambda order: "EC." + order.code, procedure_code=lambda order: order.code)
        self.pick_orders("E1-09", 1, 1, sent_by("RIS"))
        self.pick_orders("E1-01", 1, 2, sent_by("RIS"))
        self.pick_orders("E1-14", 1, 1, sent_by("RIS"))
        self.pick_orders("E1-15", 1, 1, sent_by("RIS"))
        self.pick_orders("E1-16", 1, 1, lambda order: sent_by("RIS")(order) and patients[order.patient_pk].birth_date)

        stays = [visit.pk for visit in self.flow.visits.values() if visit.kind == "I" and self.since <= visit.admitted < settled]
        for pk in self.pick(stays, 1, 1):
            visit = self.flow.visits[pk]
            begins = visit.admitted + 7200
            self.add("E1-11", begins, ("feed",), visit_number=visit.number, visit_pk=pk, flood_utc=text(begins),
                     patient_id=self.flow.patient(visit.patient_pk, begins).pid, messages=self.draws.one(25, 45))
        abroad = self.h.pacs.rows("SELECT p.pk, p.pid FROM patient p JOIN issuer i ON i.pk = p.issuer_pk WHERE i.name = 'ECC' "
                                  "AND p.pid NOT LIKE 'EC-8%' ORDER BY p.pk")[1]
        places = self.draws.sample(range(len(abroad)), 2).tolist()
        for kind, place, number in zip(("E1-03", "E1-04"), places, (17, 4)):
            at = clock.seconds("2025-03-08") + self.draws.one(2, number + 8) * DAY + self.draws.one(8, 15) * 3600 + number
            self.add(kind, at, ("feed",), surviving_id=abroad[place][1], surviving_pk=abroad[place][0],
                     retired_id=f"EC-{90000 + self.draws.one(0, 999) * 10 + number % 10}", merged_utc=text(at))
        for number in range(2):
            at = clock.seconds("2025-03-18") + number * 6 * DAY + self.draws.one(9, 16) * 3600 + self.draws.one(0, 3599)
            self.add("E1-13", at, ("feed",), patient_id=f"HV99990{number + 1}", patient_name=f"ZZTEST^ENGINE{number + 1}",
                     sent_utc=text(at))

    def case_17(self):
        case = dict(self.truth["case_17"])
        order = self.flow.orders[case["order_pk"]]
        case.update(worklist_refused_utc=text(WORKLIST_REFUSED), mpps_refused_utc=text(MPPS_REFUSED),
                    manifest_refused_utc=text(MANIFEST_REFUSED), placer_number=order.placer,
                    visit_number=self.flow.visits[order.visit_pk].number)
        self.add("C17", story.REGISTERED, tuple(SYSTEMS), **case)
        self.add("E1-06", story.MERGE_REFUSED, ("feed",), retired_id=case["temporary_id"], surviving_id=case["patient_id"],
                 merge_refused_utc=case["merge_refused_utc"])


CODES_CHANGED = clock.seconds("2025-03-17 06:00:00")     # Eastcliff's new catalogue of procedures


def system_refused(study):
    """Whether the procedure step of `study` was refused, or begun and never ended."""
    return locked_out(study) or not study.complete


def everything(h):
    """All incidents: ``incidents(h)``, then those that the audit trail, the network, the logs and the registry alone show."""
    from coursekit.hospital import audit, captures, logs, registry
    return h.incidents + [incident for room in (audit, captures, logs, registry) for incident in room.incidents(h)]


def incidents(h):
    """The incidents of patients and messages in hospital `h`: a list of ``Incident``, Case 17 first, then by id.

    Those of lab A1 are planted in the archive over all years; what happened in the last 30 days before ``h.now`` is in
    the other systems too. Numbers within a class follow time.
    """
    finder = Finder(h)
    for search in (finder.case_17, finder.broken_studies, finder.numbers_given_twice, finder.merged_patients,
                   finder.written_names, finder.mismatches, finder.contradictions, finder.faults_of_the_feed):
        search()
    result = []
    for kind in sorted(finder.found, key=lambda kind: (kind != "C17", kind)):
        events = sorted(finder.found[kind], key=lambda event: (event[0], str(sorted(event[1].items()))))
        for number, (at, facts, systems) in enumerate(events, 1):
            result.append(Incident(kind if kind == "C17" else f"{kind}-{number}", KINDS[kind], text(at), facts, systems))
    return result


def trace(h, incident):
    """What the PACS database shows of `incident`: a list of ``Evidence``."""
    facts = incident.facts
    found = []
    if incident.id == "C17":
        for pid, name, created in h.pacs.rows(
                f"SELECT pid, name, created_utc FROM patient WHERE pid IN ('{facts['temporary_id']}')")[1]:
            found.append(Evidence(created, "registered", {"temporary_id": pid, "temporary_name": name}))
        for accession, uid, ordered, station in h.pacs.rows(
                f"SELECT accession, study_uid, ordered_utc, station_aet FROM orders WHERE accession = '{facts['accession']}'")[1]:
            found.append(Evidence(ordered, "ordered", {"accession": accession, "planned_study_uid": uid, "former_aet": station}))
    if "study_uid" in facts:
        for uid, created, pid, accession, count, side in h.pacs.rows(
                "SELECT s.study_uid, s.created_utc, p.pid, s.accession, s.n_instances, (SELECT max(laterality) FROM series "
                "WHERE study_pk = s.pk) FROM study s JOIN patient p ON p.pk = s.patient_pk "
                f"WHERE s.study_uid = '{facts['study_uid']}'")[1]:
            ids = {"study_uid": uid, "study_patient_id": pid, "study_accession": accession, "typed_id": pid,
                   "n_archived": count, "image_laterality": side}
            ids = {key: text for key, text in ids.items() if key in incident.facts}
            found.append(Evidence(created, "received", ids))
    if "second_order_pk" in facts:
        for accession, status, studies in h.pacs.rows(
                "SELECT accession, status, (SELECT count(*) FROM study WHERE accession = orders.accession) FROM orders "
                f"WHERE pk = {facts['second_order_pk']}")[1]:
            if status == "COMPLETED" and not studies:
                found.append(Evidence(incident.at_utc, "complete without a study", {"second_accession": accession}))
    if "sop_uid" in facts:
        for uid, created, sums in h.pacs.rows(
                "SELECT i.sop_uid, i.created_utc, group_concat(DISTINCT f.sha256) FROM instance i JOIN file f ON f.instance_pk = i.pk "
                f"WHERE i.sop_uid = '{facts['sop_uid']}' GROUP BY i.pk HAVING count(DISTINCT f.sha256) > 1")[1]:
            found.append(Evidence(created, "first", {"sop_uid": uid, "other_sha256": sums.split(",")[1]}))
    if "retired_id" in facts and "retired_pk" in facts:
        for old, new, merged in h.pacs.rows(
                "SELECT old.pid, new.pid, old.updated_utc FROM patient old JOIN patient new ON new.pk = old.merged_into "
                f"WHERE old.pid = '{facts['retired_id']}'")[1]:
            found.append(Evidence(merged, "merged", {"retired_id": old, "surviving_id": new}))
    if "archive_name" in facts:
        for pid, name, created in h.pacs.rows(
                f"SELECT pid, name, created_utc FROM patient WHERE pid = '{facts['patient_id']}'")[1]:
            found.append(Evidence(created, "registered", {"patient_id": pid, "archive_name": name}))
    return found
