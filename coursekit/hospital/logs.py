"""What machines wrote down: logs of archive, router, engine, scanner and network; rejects, storage, disks, displays.

Each vendor writes in its own way: UTC, wall clock with or without zone, a clock that runs wrong. ``Logs.text(name)`` is a
log as its file would be; ``Logs.records(name)`` are its lines with what the generator knows of them.
"""

import csv
import io
import json
import math
import re
from functools import cached_property
from typing import NamedTuple

from coursekit.hospital import clock, story, world
from coursekit.hospital.audit import Lot, local, utc_of
from coursekit.hospital.clock import DAY, HOUR, NOW_UTC, seconds
from coursekit.hospital.draws import Draws
from coursekit.hospital.incidents import MANIFEST_REFUSED, MPPS_REFUSED, WORKLIST_REFUSED, Evidence, Incident
from coursekit.hospital.staff import START_UTC
from coursekit.standards.gsdf import index, luminance

# name: file, and whose it is.
FILES = {
    "pacs": ("hvpacs.log", "HV_PACS; UTC"), "router": ("route.log", "HV_ROUTER; wall clock, day first"),
    "worklist": ("mwl.log", "HV_MWL; wall clock with offset"), "engine": ("engine.log", "HV_ENGINE; wall clock with offset"),
    "scanner": ("CT_ER_console.log", "console of the emergency CT; its own clock, no zone"),
    "syslog": ("messages", "syslog of servers, switches and firewall; RFC 3164, wall clock without year or zone"),
}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
REJECT_DAYS = 90
# The site's reasons, to which the vendors' are to be mapped; 'test' is no patient exposure.
REASONS = ("positioning", "anatomy cut off", "exposure", "motion", "artefact", "equipment", "patient identification", "test",
           "other")
FAILED_DISK = utc_of(seconds("2025-04-04 17:40:12"))        # a Friday


class Record(NamedTuple):
    """A line of a log. `incident`, `what` and `ids`: whose trace it is, of which moment, with which identifiers."""

    utc: int
    text: str
    incident: str | None = None
    what: str | None = None
    ids: dict | None = None


class Exposure(NamedTuple):
    """An exposure at a digital X-ray unit, and what became of it: the truth behind the reject logs.

    device, utc (seconds), user_id, body_part, view
    ei, ei_target     : exposure index by IEC 62494-1, and its target
    kept              : the image went to the archive
    reason            : one of REASONS when it was rejected or only a test, else None
    repeat_sent       : rejected and repeated, but sent to the archive all the same
    child             : the patient is under 16
    """

    device: str
    utc: int
    user_id: str
    body_part: str
    view: str
    ei: int
    ei_target: int
    kept: bool
    reason: str | None
    repeat_sent: bool
    child: bool


class Disk(NamedTuple):
    """A disk of the shelf. Sizes in bytes, decimal; `media_errors` and `reallocated` from its SMART data."""

    slot: int
    serial: str
    capacity_bytes: int
    role: str
    state: str
    power_on_hours: int
    reallocated: int
    media_errors: int
    predictive_failure: bool


class Reading(NamedTuple):
    """A photometer reading with the display's own light only: digital driving level, cd/m2 as text; ambient in cd/m2."""

    date: str
    display: str
    use: str
    level: int
    luminance: str
    ambient: str


def moment(utc):
    return clock.text([utc])[0]


def offset_text(utc):
    return f"+0{(local(utc) - utc) // HOUR}:00"


class Logs:
    """The logs of one hospital. Each is made when it is first asked for."""

    def __init__(self, h):
        self.h = h

    def __repr__(self):
        return f"<logs: {', '.join(FILES)}; rejects(vendor), volumes, filesystems, disks, readings, dictation>"

    def records(self, name):
        """The lines of one of FILES, in order of time: a list of Record."""
        return getattr(self, "_" + name)

    def text(self, name):
        """One of FILES as its file: str, lines ended by line feeds."""
        return "\n".join([record.text for record in self.records(name)]) + "\n"

    @cached_property
    def _d2(self):
        """The incidents of lab D2, which the captures tell of: a list of Incident."""
        from coursekit.hospital.captures import incidents
        return incidents(self.h)

    def _faults(self, place):
        """(UTC, text, mark) of each fault of lab D2 that the log `place` shows."""
        for one in self._d2:
            for where, line in FAULTS.get(one.facts["capture"], ()):
                if where == place:
                    text = line.format(**one.facts)
                    yield seconds(one.at_utc), text, mark(one.id, "fault", **known(one, text))

    @cached_property
    def _series(self):
        return self.h.pacs.rows(
            "SELECT r.station_aet, s.study_uid, s.accession, p.pid, r.n_instances, r.size_bytes, "
            "CAST(strftime('%s', r.created_utc) AS INTEGER), s.status, s.pk FROM series r "
            f"JOIN study s ON s.pk = r.study_pk JOIN patient p ON p.pk = s.patient_pk "
            f"WHERE r.created_utc >= '{moment(START_UTC)}' ORDER BY r.pk")[1]

    # ---- the archive, the router, the worklist, the engine, the scanner, the network

    @cached_property
    def _pacs(self):
        lot, found = Lot(Draws(self.h.seed, "log pacs")), []
        hosts = {aet: host for aet, host, *_ in world.DEVICES}
        case = self.h.truth["case_17"]

        def line(utc, level, part, text, **more):
            found.append((utc, lot.below(1000), level, part, text, more))
        number, seen = 40_000 + lot.below(9000), set()
        for station, study_uid, accession, pid, count, size, received, status, pk in self._series:
            title = "HV_ROUTER" if (station or "ECC_").startswith("ECC_") else station
            number += 1
            part = f"assoc[{number}]"
            first = pk not in seen
            seen.add(pk)
            more = {}
            if study_uid == case["study_uid"] and first:
                received = seconds(case["received_utc"])
                more = mark("C17", "received", study_uid=study_uid, typed_id=pid, station_aet=station)
            line(received, "INFO ", part,
                 f"association {title}@{hosts[title]} -> HV_PACS accepted, study {study_uid}, patient {pid}", **more)
            ends = received + 1 + min(600, size // 25_000_000 + count // 40)
            line(ends, "INFO ", part, f"stored {count} objects, {size} bytes, {ends - received} s; released by {title}")
            if first and status == "UNVERIFIED":
                line(ends + 1, "WARN ", "match", f"study {study_uid} patient {pid} accession {accession or '-'}: "
                     "no order matches, UNVERIFIED", **(mark("C17", "not matched", **more["ids"]) if more else {}))
        for utc, text, more in self._faults("pacs"):
            number += 1
            line(utc, "ERROR", f"assoc[{number}]", text, **more)
        for one in self.h.incidents:
            if one.id.startswith("A1-11"):
                facts = one.facts
                line(seconds(facts["second_utc"]), "WARN ", "store",
                     f"SOP Instance UID {facts['sop_uid']} is held already, the new object's content differs: both kept; study "
                     f"{facts['study_uid']}", **mark(one.id, "second", sop_uid=facts["sop_uid"], study_uid=facts["study_uid"]))
        line(story.MERGE_REFUSED, "ERROR", "hl7", f"ADT^A40 survivor {case['patient_id']}, MRG-1 {case['temporary_id']}: "
             "answered AE, ERR-3 204 unknown key identifier",
             **mark("C17", "merge_refused", patient_id=case["patient_id"], temporary_id=case["temporary_id"]))
        for day in range(START_UTC // DAY, NOW_UTC // DAY + 1):
            line(day * DAY + 1 * HOUR, "INFO ", "jobs", "purge of instance records older than 4 days: done")
            if (day + 3) % 7 == 2:
                line(day * DAY + 2 * HOUR + 1800, "INFO ", "main", "stopping: scheduled restart")
                line(day * DAY + 2 * HOUR + 1935, "INFO ", "main", "HV_PACS 7.2 listening on 11112, AE title HV_PACS")
        found.sort(key=lambda one: one[:2])
        times = clock.text([one[0] for one in found])
        return [Record(utc, f"{when}.{ms:03d}Z {level} {part} {text}", **more)
                for when, (utc, ms, level, part, text, more) in zip(times, found) if utc < NOW_UTC]

    @cached_property
    def _router(self):
        lot, found = Lot(Draws(self.h.seed, "log router")), []
        for station, study_uid, _, pid, count, _, received, *_ in self._series:
            if (station or "ECC_").startswith("ECC_"):
                found.append((received, f"FWD|{station or 'ECC'}|HV_PACS|{study_uid}|{count}|OK", {}))
            elif lot.happens(300):
                found.append((received - lot.between(1800, 9 * HOUR),
                              f"PREFETCH|HV_VNA|HV_PACS|patient {pid}|{lot.between(1, 3)}|OK", {}))
        found += self._faults("router")
        found.sort(key=lambda one: one[0])
        return [Record(utc, f"{day_first(local(utc))}|{text}", **more) for utc, text, more in found if utc < NOW_UTC]

    @cached_property
    def _worklist(self):
        found, refused = [], "A-ASSOCIATE-RJ result=1 source=1 reason=3 calling={} not in allowed-aets"
        for query in self.h.worklist.queries:
            utc = seconds(query.at_utc)
            if query.status == "0000":
                found.append((utc, f"C-FIND {query.aet} matches={query.matches} status=0000", {}))
            else:
                more = mark("C17", "worklist_refused", station_aet=query.aet) if utc == WORKLIST_REFUSED else {}
                found.append((utc, refused.format(query.aet), more))
        aet = self.h.truth["case_17"]["station_aet"]
        found.append((MPPS_REFUSED, refused.format(aet), mark("C17", "mpps_refused", station_aet=aet)))
        found.sort(key=lambda one: one[0])
        return [Record(utc, f"{moment(local(utc)).replace(' ', 'T')}{offset_text(utc)} hv_mwl[412] {text}", **more)
                for utc, text, more in found]

    @cached_property
    def _engine(self):
        """What passed the interface engine: one line for each message and acknowledgement of the feed."""
        found, case = [], self.h.truth["case_17"]
        for message in self.h.feed:
            utc = seconds(message.at_utc)
            way = f"{message.sender}>{message.receiver}"
            said, more = "", {}
            if message.event == "ACK":
                answer = re.search(r"[\r\n]MSA\|(\w+)", message.text)
                said = answer[1] if answer else ""
            if said == "AE" and utc // 60 == story.MERGE_REFUSED // 60:
                more = mark("C17", "merge_refused", temporary_id=case["temporary_id"])
                said += f" 204 {case['temporary_id']}"
                utc = story.MERGE_REFUSED
            found.append((utc, f"{way}\t{message.event}\t{message.control_id}\t{len(message.bytes)}\t{said or '-'}", more))
        found += self._faults("engine")
        found.sort(key=lambda one: one[0])
        times = clock.text([local(one[0]) for one in found])
        return [Record(utc, f"{when}{offset_text(utc)}\t{text}", **more) for when, (utc, text, more) in zip(times, found)]

    @cached_property
    def _scanner(self):
        """The CT's console in the days around its upgrade: its clock missed the change to summer time."""
        case, found = self.h.truth["case_17"], []
        aet = case["station_aet"]
        begins, ends = seconds("2025-03-28 05:00:00"), seconds("2025-04-01 05:00:00")
        for station, study_uid, _, _, count, _, received, *_ in self._series:
            if station in ("CT_ER", "CTER01") and begins <= received < ends:
                found.append((received + 5, f"SEND    {count:5d} images study {study_uid} to HV_PACS ok", {}))
        for query in self.h.worklist.queries:
            utc = seconds(query.at_utc)
            if query.aet in ("CT_ER", "CTER01") and begins <= utc < ends:
                if query.status == "0000":
                    found.append((utc, f"WORKLIST {query.matches} entries from HV_MWL", {}))
                else:
                    more = mark("C17", "worklist_refused", station_aet=query.aet) if utc == WORKLIST_REFUSED else {}
                    found.append((utc, "WORKLIST HV_MWL refused the association (permanent, calling AE title)", more))
        found += [
            (story.RENAMED - 1800, "SETUP   software HELIO upgrade begins, user service", {}),
            (story.RENAMED, "SETUP   AE title changed from CT_ER to CTER01", {}),
            (story.FIRST_IMAGE - 130, f"PATIENT entered by hand, user ctuser: {case['typed_id']} {case['typed_name']}",
             mark("C17", "typed", typed_id=case["typed_id"])),
            (MPPS_REFUSED, "MPPS    HV_MWL refused the association (permanent, calling AE title)",
             mark("C17", "mpps_refused", station_aet=aet)),
            (story.FIRST_IMAGE, f"ACQUIRE study {case['study_uid']} first image",
             mark("C17", "first_image", station_aet=aet, study_uid=case["study_uid"])),
            (story.REPAIRED, "SETUP   clock set by hand, user service: one hour forward", {}),
        ]
        found.sort(key=lambda one: one[0])
        times = clock.text([utc + HOUR if utc < story.REPAIRED else local(utc) for utc, *_ in found])
        return [Record(utc, f"{when} {text}", **more) for when, (utc, text, more) in zip(times, found)]

    @cached_property
    def _syslog(self):
        lot, found = Lot(Draws(self.h.seed, "log syslog")), []
        skew_since = seconds("2025-03-24 06:00:00")
        for day in range(START_UTC // DAY, NOW_UTC // DAY + 1):
            at = day * DAY
            used = 61 + (at - START_UTC) // DAY
            found.append((at + 4 * HOUR, "hv-pacs", f"monitor: /var {min(97, used)}% used", {}))
            for host in ("hv-pacs", "hv-mwl", "hv-vna", "hv-router"):
                if host == "hv-router" and at + 5 * HOUR > skew_since:
                    text = "chronyd[622]: Can't synchronise: no reachable sources"
                else:
                    text = f"chronyd[622]: System clock wrong by {'-' if lot.happens(500) else ''}0.00{lot.between(1, 9)} seconds"
                found.append((at + 5 * HOUR + lot.below(HOUR), host, text, {}))
            found.append((at + lot.below(DAY), "sw-rad-2",
                          f"%LINK-3-UPDOWN: Interface Gi1/0/{lot.between(3, 40)}, changed state to up", {}))
        for utc, text, more in self._faults("syslog"):
            found.append((utc, *text.split(" ", 1), more))
        case = self.h.truth["case_17"]
        found.append((MANIFEST_REFUSED, "hv-vna", f"vna[1190]: manifest of study {case['study_uid']} patient "
                      f"{case['typed_id']}: registry answered XDSUnknownPatientId",
                      mark("C17", "manifest_refused", study_uid=case["study_uid"], typed_id=case["typed_id"])))
        found.append((FAILED_DISK, "hv-vna", "raid: shelf 1: disk failed, array degraded, rebuild on hot spare begins",
                      mark("K4-01-1", "failed", host="hv-vna")))
        found.sort(key=lambda one: one[0])
        return [Record(utc, f"{bsd(local(utc))} {host} {text}", **more) for utc, host, text, more in found if utc < NOW_UTC]

    # ---- reject logs

    @cached_property
    def exposures(self):
        """All exposures of the three digital X-ray units in the last 90 days: a list of Exposure, in order of time."""
        lot, found = Lot(Draws(self.h.seed, "log rejects")), []
        since = NOW_UTC - REJECT_DAYS * DAY
        technologists = self.h.staff.group("Radiology", "technologist")
        often, never = technologists[3], technologists[5]          # one rejects too much, one records nothing
        rows = self.h.pacs.rows(
            "SELECT r.station_aet, r.n_instances, CAST(strftime('%s', r.created_utc) AS INTEGER), o.body_part, p.birth_date "
            "FROM series r JOIN study s ON s.pk = r.study_pk JOIN patient p ON p.pk = s.patient_pk "
            "LEFT JOIN orders o ON o.accession = s.accession AND o.patient_pk = s.patient_pk WHERE r.station_aet IN "
            "('DX_CH1', 'CR_ER1', 'MG1') AND r.modality IN ('DX', 'CR', 'MG') "
            f"AND r.created_utc >= '{moment(since)}' GROUP BY r.pk ORDER BY r.pk")[1]
        for device, count, received, body_part, birth in rows:
            part = body_part or "CHEST"
            child = bool(birth) and birth > "2009-04-07"
            who = lot.pick(self.h.staff.on_duty("Radiology", "technologist", local(received)) or technologists)
            share = {"DX_CH1": 80, "CR_ER1": 105, "MG1": 25}[device]
            share = share * 5 // 2 if part in ("CSPINE", "LSPINE", "HIP") else share
            share = {often.user_id: share * 5 // 2, never.user_id: 0}.get(who.user_id, share)
            sent = 0                                               # repeats among the images that the archive has of the series
            for number in range(count):
                utc = received - 60 * (count - number) - lot.below(50)
                view = lot.pick(VIEWS.get(part, ("AP", "LAT")))
                target = 250 if device != "MG1" else 400
                # At CR_ER1 exposure creeps up by a third of its target each month.
                creep = target * (utc - since) // (90 * DAY) if device == "CR_ER1" else 0
                while lot.below(1000) < share:
                    reason = lot.pick(("positioning",) * 9 + ("anatomy cut off",) * 4 + ("exposure",) * 3 + ("motion",) * 3
                                      + ("artefact", "equipment", "patient identification", "other"))
                    index_ = (target + creep) * (lot.between(35, 60) if reason == "exposure" else lot.between(75, 130)) // 100
                    repeat = device == "MG1" and lot.happens(500) and number + 1 + sent < count
                    sent += repeat
                    found.append(Exposure(device, utc - 45, who.user_id, part, view, index_, target, False, reason, repeat, child))
                shown = (target + creep) * lot.between(78, 126) // 100
                if number < count - sent:
                    found.append(Exposure(device, utc, who.user_id, part, view, shown, target, True, None, False, child))
        for device in ("DX_CH1", "CR_ER1", "MG1"):
            for day in range(since // DAY, NOW_UTC // DAY):
                if (day + 3) % 7 < 5:
                    for _ in range(1 + lot.below(2)):
                        utc, shown = day * DAY + 6 * HOUR + lot.below(1800), 250 * lot.between(98, 103) // 100
                        found.append(Exposure(device, utc, technologists[0].user_id, "PHANTOM", "TEST", shown, 250, False,
                                              "test", False, False))
        return sorted(found, key=lambda one: (one.utc, one.device, one.view, one.ei))

    def rejects(self, vendor):
        """The reject log of 'helio' (DX_CH1), 'orbis' (CR_ER1) or 'marlin' (MG1), as that vendor exports it: CSV text.

        helio lists every exposure and takes tests for rejects; orbis lists rejects only, with its own codes, a clock
        four minutes fast and S numbers; marlin calls a repeat what went to the archive all the same, in free text.
        """
        device = {"helio": "DX_CH1", "orbis": "CR_ER1", "marlin": "MG1"}[vendor]
        lot, out = Lot(Draws(self.h.seed, f"log {vendor}")), io.StringIO()
        writer = csv.writer(out, delimiter={"helio": ";", "orbis": ",", "marlin": "\t"}[vendor], lineterminator="\r\n")
        writer.writerow({
            "helio": ("DateTime", "Operator", "BodyPart", "View", "Status", "Reason", "EI", "EIT", "DI"),
            "orbis": ("Datum", "Zeit", "User", "Region", "Code", "S"),
            "marlin": ("date", "time", "operator", "view", "action", "comment", "EI")}[vendor])
        for one in self.exposures:
            if one.device != device or vendor != "helio" and one.kept:
                continue
            wall = local(one.utc)
            if vendor == "helio":
                shift = f"{10 * math.log10(one.ei / one.ei_target):.1f}"
                writer.writerow((moment(wall).replace(" ", "T"), one.user_id, one.body_part, one.view,
                                 "ACCEPTED" if one.kept else "REJECTED", "" if one.kept else HELIO[one.reason], one.ei,
                                 one.ei_target, shift))
            elif vendor == "orbis":
                day, time = day_first(wall + 240).split(" ")
                writer.writerow((day.replace("/", "."), time[:5], one.user_id[:3].upper(), one.body_part, ORBIS[one.reason],
                                 20_000 // max(1, one.ei)))
            else:
                day, time = moment(wall).split(" ")
                writer.writerow((day, time, one.user_id, one.view, "REPEAT" if one.repeat_sent else "REJECT",
                                 lot.pick(MARLIN[one.reason]), one.ei))
        return out.getvalue()

    @cached_property
    def rejection_notes(self):
        """Images of the X-ray units named in key object selections of the last 90 days: (utc text, code, meaning, device, sop_uid).

        The codes are document titles (PS3.16 CID 7010). 113001, 113037 and 113038 are those of rejection notes (IHE RAD, IOCM profile);
        113010 is none: it only tells of a problem, and the image stays in use. The archive keeps what was rejected, and counts it.
        """
        lot, found = Lot(Draws(self.h.seed, "log rejection notes")), []
        rows = self.h.pacs.rows(
            "SELECT r.station_aet, r.series_uid, r.n_instances, CAST(strftime('%s', r.created_utc) AS INTEGER) FROM series r "
            "JOIN study s ON s.pk = r.study_pk WHERE r.station_aet IN ('DX_CH1', 'CR_ER1', 'MG1') AND r.modality IN ('DX', 'CR', 'MG') "
            f"AND r.created_utc BETWEEN '{moment(NOW_UTC - REJECT_DAYS * DAY)}' AND '{moment(NOW_UTC - 4 * HOUR)}' ORDER BY r.pk")[1]
        for device, quality in (("DX_CH1", 90), ("CR_ER1", 60), ("MG1", 150)):
            images = [(f"{uid}.{number}", utc) for aet, uid, count, utc in rows if aet == device for number in range(1, count + 1)]
            notes = [code for code, count in (("113001", 2 + len(images) // quality), ("113038", 2 + len(images) // 200),
                                              ("113010", 3 + len(images) // 120), ("113037", 1)) for _ in range(count)]
            for code in notes:
                sop_uid, utc = images.pop(lot.below(len(images)))
                found.append((utc + lot.between(HOUR // 6, 4 * HOUR), code, NOTES[code], device, sop_uid))
        return [(moment(utc), *rest) for utc, *rest in sorted(found)]

    @cached_property
    def reject_returns(self):
        """What CR_ER1 returned to the radiation protection committee, 2022 to 2024: a list of (month, exposures, rejects), no tests.

        Each July and August stand-ins work there, and more is rejected. In 2024 one month is nearly without rejects (nothing was
        recorded), one has few exposures (the reader was being mended), one is only unlucky, one only lucky, and since autumn more is
        rejected than before. Of the two years before neither is a measure by itself: one month of 2022 has few exposures and hardly a
        reject, one was high in 2022 and low in 2023, and August the other way round.
        """
        lot = Lot(Draws(self.h.seed, "log reject returns"))
        others = [1, 2, 3, 4, 5, 6]
        silent, few, unlucky = (others.pop(lot.below(len(others))) for _ in range(3))
        short, turned, lucky = others
        since, found = lot.between(9, 11), {}
        apart = {(2022, turned): 190, (2023, turned): -190, (2022, 8): -190, (2023, 8): 190}
        for year in (2022, 2023, 2024):
            for month in range(1, 13):
                n = lot.between(600, 780)
                if year < 2024:
                    usual, shift = (0.145 if month in (7, 8) else 0.088), lot.between(-80, 80)
                    shift = apart.get((year, month), shift)
                    if (year, month) == (2022, short):
                        n, usual, shift = lot.between(112, 124), 0.03, 0
                else:
                    past = [found[earlier, month] for earlier in (2022, 2023)]
                    usual, shift = sum(rejects for _, rejects in past) / sum(exposures for exposures, _ in past), lot.between(-120, 120)
                    if month == few:
                        n, shift = lot.between(112, 124), 175
                    if month == unlucky:
                        shift = 245
                    if month == lucky:
                        shift = -268
                    if month in (short, turned, 8):
                        shift = 160 if month == short else 150
                    if month >= since:
                        shift = lot.between(400, 430)
                rejects = round(n * usual + shift / 100 * math.sqrt(n * usual * (1 - usual)))
                found[year, month] = (n, lot.between(3, 8) if (year, month) == (2024, silent) else rejects)
        return [(f"{year}-{month:02d}", *counts) for (year, month), counts in found.items()]

    # ---- storage, disks, displays, dictation

    @cached_property
    def volumes(self):
        """What this edition's archive took in over 36 months: a list of (month, modality, studies, objects, bytes)."""
        return self.h.pacs.rows(
            "SELECT substr(s.created_utc, 1, 7) AS month, r.modality, count(DISTINCT s.pk), sum(r.n_instances), "
            "sum(r.size_bytes) FROM series r JOIN study s ON s.pk = r.study_pk WHERE s.created_utc >= '2022-04-01' "
            "GROUP BY month, r.modality ORDER BY month, r.modality")[1]

    @cached_property
    def filesystems(self):
        """Use of the file systems, each first of a month and at last now: (date, mount, capacity, used), bytes.

        The near-line tier, with a copy of everything, stands at 78 % and grows as the archive's intake does; the online
        tier is a cache, kept below 90 % by its purge.
        """
        months = sorted({row[0] for row in self.volumes})
        intake = {month: sum(row[4] for row in self.volumes if row[0] == month) for month in months}
        last_year = sum(intake[month] for month in months[-13:-1])
        near = next(one for one in world.FILE_SYSTEMS if one[2] == "NEARLINE")
        used = near[3] * 78 // 100
        yearly = near[3] * 16 // 100                               # 22 % are left for about 16 months
        lot, rows = Lot(Draws(self.h.seed, "log storage")), []
        rows.append((str(world.NOW.date()), near[1], near[3], used))
        for month in reversed(months):
            used -= intake[month] * yearly // last_year
            rows.append((f"{month}-01", near[1], near[3], used))
        for date in [f"{month}-01" for month in months] + [str(world.NOW.date())]:
            for _, mount, tier, capacity in world.FILE_SYSTEMS:
                if tier == "ONLINE":
                    rows.append((date, mount, capacity, capacity * lot.between(82, 90) // 100))
        return sorted(rows)

    @cached_property
    def disks(self):
        """The disks of the VNA's shelf: a list of Disk. RAID 6 of eleven 8 TB disks and a hot spare, which is rebuilding."""
        lot = Lot(Draws(self.h.seed, "log disks"))
        failed = lot.between(0, 10)
        suspect = (failed + lot.between(2, 9)) % 11
        found = []
        for slot in range(12):
            bad = slot == failed
            serial, hours = f"HV8T{lot.between(100000, 999999)}", 31_000 + lot.below(900)
            moved = lot.between(1800, 2400) if bad else lot.between(60, 120) if slot == suspect else lot.below(3)
            errors = lot.between(200, 400) if bad else lot.between(6, 18) if slot == suspect else 0
            state = "failed" if bad else "rebuilding" if slot == 11 else "online"
            found.append(Disk(slot, serial, 8 * world.TB, "hot spare" if slot == 11 else "member", state, hours, moved, errors,
                              bad or slot == suspect))
        return found

    def inventory(self):
        """The shelf as its controller tells it: JSON text."""
        return json.dumps({
            "controller": "SHELF-1", "level": "RAID 6", "stripe_kib": 256, "members": 11, "parity": 2, "hot_spares": 1,
            "array_state": "degraded, rebuilding", "rebuild_percent": 37, "unrecoverable_read_error_per_bit": "1e-15",
            "disks": [one._asdict() for one in self.disks]}, indent=2) + "\n"

    @cached_property
    def controller_log(self):
        """The RAID controller's events: a list of (utc text, severity, text)."""
        failed = next(one for one in self.disks if one.state == "failed")
        suspect = next(one for one in self.disks if one.predictive_failure and one.state == "online")
        weak = suspect.media_errors
        events = [
            (seconds("2025-02-11 03:12:40"), "INFO", "patrol read started"),
            (seconds("2025-02-13 09:47:02"), "WARNING",
             f"slot {suspect.slot}: {weak // 2} media errors corrected by patrol read"),
            (seconds("2025-03-13 04:02:31"), "WARNING",
             f"slot {failed.slot}: predictive failure, reallocated sectors {failed.reallocated - 700}"),
            (seconds("2025-03-27 04:11:09"), "WARNING", f"slot {suspect.slot}: predictive failure, media errors {weak - 1}"),
            (FAILED_DISK, "CRITICAL", f"slot {failed.slot}: disk failed (serial {failed.serial})"),
            (FAILED_DISK + 1, "CRITICAL", "array 0: degraded, one of two redundancies lost"),
            (FAILED_DISK + 8, "INFO", "slot 11: hot spare taken into array 0, rebuild started"),
            (FAILED_DISK + 5 * HOUR, "WARNING",
             f"slot {suspect.slot}: unrecoverable read error, block rebuilt from the second parity"),
            (NOW_UTC - 1200, "INFO", "slot 11: rebuild 37 %"),
        ]
        return [(moment(utc), level, text) for utc, level, text in events]

    def smart(self):
        """SMART data of the disks: CSV text."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("slot", "serial", "power_on_hours", "reallocated_sectors", "media_errors"))
        writer.writerows((one.slot, one.serial, one.power_on_hours, one.reallocated, one.media_errors) for one in self.disks)
        return out.getvalue()

    @cached_property
    def _displays(self):
        """{display: (use, ambient, lowest, highest, fault)}: the truth behind the readings; luminances in cd/m2."""
        lot = Lot(Draws(self.h.seed, "log displays"))
        places = (("WS_CH1 left", "diagnostic", 420), ("WS_CH1 right", "diagnostic", 420), ("WS_MG1 left", "mammography", 480),
                  ("WS_MG1 right", "mammography", 480), ("WS_ED1", "clinical", 270), ("Ward 2A viewer", "clinical", 250))
        faults = [None, None, "not calibrated: gamma 2.2", "backlight aged", "room too bright", "dark levels crushed"]
        given = []
        while faults:
            given.append(faults.pop(lot.below(len(faults))))
        ambient = {"room too bright": 6.0}
        return {name: (use, ambient.get(fault, 0.6 if use == "clinical" else 0.25), highest / 420, float(highest), fault)
                for (name, use, highest), fault in zip(places, given)}

    @property
    def display_faults(self):
        """{display: what is wrong with it, or None}."""
        return {name: one[4] for name, one in self._displays.items()}

    @cached_property
    def readings(self):
        """Photometer readings of six displays, 18 levels (0, 15, ... 255) each, four quarterly sessions: a list of Reading."""
        lot, found = Lot(Draws(self.h.seed, "log readings")), []
        for session, date in enumerate(("2024-07-02", "2024-10-01", "2025-01-07", "2025-04-01")):
            for name, (use, ambient, lowest, highest, fault) in self._displays.items():
                usual = 0.25 if use != "clinical" else 0.6          # what it was calibrated for
                here = usual if session < 2 else ambient
                wrong = fault if session > 0 else None
                first, last = index(lowest + usual), index(highest + usual)
                for level in range(0, 256, 15):
                    if wrong == "not calibrated: gamma 2.2":
                        value = lowest + (highest - lowest) * (level / 255) ** 2.2
                    else:
                        value = luminance(first + (last - first) * level / 255) - usual
                    if wrong == "backlight aged":
                        value *= 1 - 0.17 * session
                    if wrong == "dark levels crushed" and level <= 45:
                        value = lowest * (1 + level / 900)
                    value *= (1000 + lot.between(-4, 4)) / 1000
                    found.append(Reading(date, name, use, level, f"{value:.3f}", f"{here:.2f}"))
        return found

    @cached_property
    def dictation(self):
        """Dictations of the last 30 days: (study_uid, accession, user_id, begun, ended, signed (UTC text), words, by).

        by : 'speech' (recognized, corrected by the speaker) or 'typist'. The speaker is who opened the study first.
        """
        lot, found, seen = Lot(Draws(self.h.seed, "log dictation")), [], set()
        accession = dict(self.h.pacs.rows("SELECT study_uid, accession FROM study WHERE status = 'READ'")[1])
        readers = {user.user_id for user in self.h.staff.group("Radiology", "radiologist")}
        for event in self.h.audit.events:
            if event.event == "110103" and event.user_id in readers and event.study_uid in accession and not event.incident \
                    and event.study_uid not in seen:
                seen.add(event.study_uid)
                begun = seconds(event.utc[:19]) + lot.between(60, 240)
                words, typed = lot.between(35, 260), lot.happens(220)
                ended = begun + words * 60 // lot.between(95, 140)
                signed = ended + (lot.between(2 * HOUR, 30 * HOUR) if typed else lot.between(40, 900))
                if signed < NOW_UTC:
                    found.append((event.study_uid, accession[event.study_uid], event.user_id, begun, ended, signed, words,
                                  "typist" if typed else "speech"))
        columns = list(zip(*found))
        if not columns:
            return []
        columns[3:6] = [clock.text(column) for column in columns[3:6]]
        return list(zip(*columns))

    # ---- incidents

    @cached_property
    def incidents(self):
        """What only these logs show: a list of Incident."""
        failed = next(one for one in self.disks if one.state == "failed")
        suspect = next(one for one in self.disks if one.predictive_failure and one.state == "online")
        found = [Incident("K4-01-1", "a disk of the VNA's shelf failed; another is about to", moment(FAILED_DISK),
                          {"host": "hv-vna", "failed_utc": moment(FAILED_DISK), "failed_slot": failed.slot,
                           "serial": failed.serial, "suspect_slot": suspect.slot}, ("log",))]
        for number, (name, fault) in enumerate(sorted((name, fault) for name, fault in self.display_faults.items() if fault), 1):
            found.append(Incident(f"B3-01-{number}", f"display: {fault}", "2025-04-01 07:00:00", {"display": name}, ("log",)))
        return found


def day_first(wall):
    """'DD/MM/YYYY HH:MM:SS' of wall-clock seconds."""
    date, time = moment(wall).split(" ")
    return "/".join(reversed(date.split("-"))) + " " + time


def bsd(wall):
    """The time stamp of RFC 3164 4.1.2: no year, no zone, the day padded with a blank."""
    date, time = moment(wall).split(" ")
    return f"{MONTHS[int(date[5:7]) - 1]} {int(date[8:]):2d} {time}"


def mark(incident, what, **ids):
    """The last fields of a Record as keyword arguments."""
    return {"incident": incident, "what": what, "ids": ids}


def known(incident, text):
    """Which of the incident's facts stand in the line `text`: {key: value}."""
    return {key: value for key, value in incident.facts.items() if isinstance(value, str) and len(value) > 3 and value in text}


NOTES = {"113001": "Rejected for Quality Reasons", "113010": "Quality Issue", "113037": "Rejected for Patient Safety Reasons",
         "113038": "Incorrect Modality Worklist Entry"}
VIEWS = {"CHEST": ("PA", "LAT", "AP"), "BREAST": ("R CC", "L CC", "R MLO", "L MLO"), "HIP": ("AP", "AXIAL"), "PHANTOM": ("TEST",)}
HELIO = {
    "positioning": "Positioning", "anatomy cut off": "Clipped anatomy", "exposure": "Under/overexposed",
    "motion": "Patient motion", "artefact": "Artifact", "equipment": "Equipment failure",
    "patient identification": "Wrong patient data", "test": "Test", "other": "Other"}
ORBIS = {"positioning": 11, "anatomy cut off": 12, "exposure": 21, "motion": 31, "artefact": 41, "equipment": 42,
         "patient identification": 51, "test": 90, "other": 99}
MARLIN = {
    "positioning": ("nipple not in profile", "pos.", "positioning", "PNL too short"),
    "anatomy cut off": ("cut off", "axilla missing"), "exposure": ("too light", "exp", "AEC cell wrong"),
    "motion": ("moved", "motion blur", "Motion"), "artefact": ("hair", "artefact"),
    "equipment": ("paddle error", "generator"), "patient identification": ("wrong name", "wrong pat."),
    "test": ("QC", "daily flat field", "test"), "other": ("?", "", "see note")}

# Capture of lab D2: (log, line) pairs; the first word of a line for the syslog is the host.
FAULTS = {
    "called_aet": (("pacs", "A-ASSOCIATE-RJ 1/1/7 to {calling_aet}: called AE title {called_aet} is not ours"),),
    "local_limit": (("pacs", "A-ASSOCIATE-RJ 2/3/2: {limit} associations are open, that is the limit"),),
    "application_context": (("pacs", "A-ASSOCIATE-RJ 1/1/2 to {calling_aet}: "
                                     "application context {application_context} not supported"),),
    "abstract_syntax": (("router", "ASSOC|{calling_aet}|no presentation context accepted, result 3|REFUSED"),),
    "mg_ctx": (("syslog", "ws-mg1 viewer[3310]: association from {calling_aet}: context for {abstract_syntaxes[0]} refused, "
                          "transfer syntax {transfer_syntax} not supported"),),
    "accept_abort": (("syslog", "hv-vna vna[1190]: association from {calling_aet} aborted: caller not configured"),),
    "status_a700": (("router", "STORE|{station_aet}|{sop_uid}|{status} {error_comment}|FAILED"),),
    "status_0122": (("router", "STORE|{station_aet}|{sop_uid}|{status} {error_comment}|FAILED"),),
    "status_a900": (("pacs", "C-STORE-RSP {status} to {station_aet}, {sop_uid}: {error_comment}"),),
    "status_c000": (("pacs", "C-STORE-RSP {status} to {station_aet}, {sop_uid}: {error_comment}"),),
    "status_b000": (("pacs", "C-STORE-RSP {status} to {station_aet}, {sop_uid}: {error_comment}"),),
    "move_unknown": (("pacs", "C-MOVE-RSP {status} study {study_uid}: move destination {destination} unknown"),),
    "artim": (("pacs", "no A-ASSOCIATE-RQ from {station_aet} within {timer_s} s of its connection: closed"),),
    "ids_rst": (("pacs", "connection reset while receiving {sop_uid} from {station_aet}"),
                ("syslog", "ids-1 snoop[77]: rule 40213 'executable in TCP stream': session of 10.20.30.44 reset")),
    "mr_idle": (("pacs", "association with {station_aet} idle for {idle_s} s, then connection reset"),
                ("syslog", "fw-core session[9]: tcp 10.20.30.43 -> 10.20.10.10:11112 removed, idle {limit_s} s")),
    "mtu": (("pacs", "no data from {station_aet} for 60 s in C-STORE of {sop_uid}: connection closed"),),
    "max_pdu": (("pacs", "P-DATA-TF from {station_aet} exceeds {maximum} bytes: A-ABORT source 2 reason 6"),),
    "us_dup": (("syslog", "sw-rad-2 %ARP-4-DUPADDR: address {ip} claimed by {macs[0]} and {macs[1]}"),),
    "tls": (("pacs", "unrecognised PDU type 0x16 on port {port}, from {station_aet}"),),
    "duplex": (("syslog", "sw-dent-1 %CDP-4-DUPLEX_MISMATCH: port Gi1/0/7 ({station_aet}) full here, half there; "
                          "late collisions"),),
    "zero_window": (("pacs", "spool of {station_aet} stalled: write of {sop_uid} took {stalled_ms} ms"),),
    "no_answer": (("syslog", "fw-core filter[9]: DROP tcp 10.20.40.13 ({station_aet}) -> 10.20.10.10:{port}"),),
    "mllp_no_end": (("engine", "RIS>HV_ENGINE\t-\t{control_id}\t-\tno end block within 30 s, message discarded"),),
}


def incidents(h):
    """The incidents that only logs show: a list of Incident."""
    return list(h.logs.incidents)


def trace(h, incident):
    """What the logs show of `incident`: a list of ``Evidence``, by time."""
    found = []
    if incident.id == "C17" or incident.id.startswith(("D2", "K4", "A1-11")):
        names = FILES if incident.id == "C17" else ("pacs", "router", "engine", "syslog")
        if incident.id.startswith("D2"):
            own = [one for one in h.logs._d2 if incident.id.startswith(one.id)]
            names = sorted({place for one in own for place, _ in FAULTS.get(one.facts["capture"], ())})
        for name in names:
            for record in h.logs.records(name):
                if record.incident and (incident.id == record.incident or incident.id.startswith(record.incident + "-")):
                    found.append(Evidence(moment(record.utc), record.what, record.ids))
    if incident.id.startswith("K4"):
        slots = {f"slot {incident.facts[key]}:": key for key in ("failed_slot", "suspect_slot")}
        for utc, _, text in h.logs.controller_log:
            for begin, key in slots.items():
                if text.startswith(begin):
                    what = "failed" if "disk failed" in text else "warned"
                    found.append(Evidence(utc, what, {key: incident.facts[key]}))
    if incident.id.startswith("B3"):
        found += [Evidence(incident.at_utc, "measured", {"display": one.display}) for one in h.logs.readings
                  if one.display == incident.facts["display"] and incident.at_utc.startswith(one.date)]
    return sorted(found, key=lambda one: one.at_utc)
