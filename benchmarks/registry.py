"""How fast the document registry answers with a million entries, and how many documents a second it takes.

    python benchmarks/registry.py [entries]

Twenty documents a patient. FindDocuments is asked over SOAP and timed where it is asked; the percentiles are of 400 patients.
"""

import json
import multiprocessing
import os
import random
import sys
import tempfile
import time

from coursekit.standards import xml
from coursekit.standards.xds import facts, metadata
from coursekit.standards.xds.facts import APPROVED, DOCUMENT, SET
from coursekit.standards.xds.metadata import Author, Code, Entry, association
from coursekit.systems import document_sharing as sharing
from coursekit.systems.registry import Registry
from coursekit.systems.repository import Repository

EACH = 20


def patient(number):
    return f"NM{number}^^^&2.999.1.9&ISO"


def document(number, whose, **more):
    return Entry(DOCUMENT, {
        "entryUUID": f"urn:uuid:00000000-0000-4000-8000-{number:012x}", "mimeType": "application/dicom", "objectType": facts.STABLE,
        "creationTime": "20250330014500", "languageCode": "en-US", "sourcePatientId": "HV1^^^&2.999.1.1&ISO",
        "classCode": Code("IMAGES", "2.999.1.9.11", "Images"), "confidentialityCode": (Code("N", "2.16.840.1.113883.5.25", "normal"),),
        "formatCode": Code("1.2.840.10008.5.1.4.1.1.88.59", "1.2.840.10008.2.6.1"), "typeCode": Code("18748-4", "2.16.840.1.113883.6.1"),
        "healthcareFacilityTypeCode": Code("HOSP", "2.999.1.9.13"), "practiceSettingCode": Code("RAD", "2.999.1.9.12"),
        "patientId": whose, "uniqueId": f"2.999.5.{number}", "author": (Author("1011^TERBRUGGEN^JORIS"),), **more})


def submission(number, whose, documents):
    held = Entry(SET, {"entryUUID": "Set", "submissionTime": "20250330014600", "contentTypeCode": Code("IMAGES", "2.999.1.9.11"), "patientId": whose,
                       "sourceId": "2.999.3", "uniqueId": f"2.999.6.{number}"})
    return [*documents, held, *(association(facts.HAS_MEMBER, "Set", one.id, facts.ORIGINAL) for one in documents)]


def filled(folder, entries):
    """A registry's database with so many entries, written without its checks."""
    with Registry(folder=folder) as registry:
        complete = {"hash": "0" * 40, "size": "3", "repositoryUniqueId": "2.999.8", "availabilityStatus": APPROVED}
        rows = (document(number, patient(number // EACH), **complete) for number in range(entries))
        database = registry._database
        with database.transaction():
            database.run_many("INSERT INTO patient VALUES (?, NULL)", ((patient(number),) for number in range(entries // EACH)))
            database.run_many("INSERT INTO object VALUES (?, ?, ?, ?, ?, ?)", (
                (one.id, DOCUMENT, one["patientId"], one["uniqueId"], APPROVED, json.dumps({
                    "values": one.values, "extra": {}, "ebrim": xml.text(metadata.element(one))})) for one in rows))


def provided(url, first, count):
    """One submission of so many documents; without a first number, of some that nobody else has."""
    first = 100_000_000 + 1_000 * os.getpid() if first is None else first
    documents = [document(first + place, patient(1)) for place in range(count)]
    answer = sharing.provide(url, submission(first, patient(1), documents), {one.id: f"{one.id}".encode() * 100 for one in documents})
    assert answer.status == facts.SUCCESS


def main():
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    for entries in sorted({most // 100, most // 10, most}):
        with tempfile.TemporaryDirectory() as folder:
            filled(folder, entries)
            with Registry(folder=folder) as registry:
                times, draw = [], random.Random(1)
                for _ in range(400):
                    asked = {"$XDSDocumentEntryPatientId": patient(draw.randrange(entries // EACH)), "$XDSDocumentEntryStatus": [APPROVED]}
                    start = time.perf_counter()
                    found = sharing.query(registry.url, "FindDocuments", asked)
                    times.append(time.perf_counter() - start)
                    assert len(found.entries) == EACH
                times.sort()
                print(f"{entries:>9,} entries: FindDocuments median {times[200] * 1e3:.1f} ms, p95 {times[380] * 1e3:.1f} ms", flush=True)
    context = multiprocessing.get_context("spawn")
    over, urls = context.Event(), context.Queue()
    registry = context.Process(target=served, args=("registry", None, urls, over), daemon=True)
    registry.start()
    repository = context.Process(target=served, args=("repository", urls.get(), urls, over), daemon=True)
    repository.start()
    url = urls.get()
    for sources, each in ((1, 1), (4, 1), (1, 10)):
        with context.Pool(sources, initializer=provided, initargs=(url, None, each)) as pool:
            time.sleep(1)                               # its processes have begun, and each has provided something
            start = time.perf_counter()
            pool.starmap(provided, [(url, 1_000_000 * sources * each + number * each, each) for number in range(600 // each)], chunksize=10)
            print(f"ITI-41, {sources} source{'s' * (sources > 1)}, {each} document{'s' * (each > 1)} each: "
                  f"{600 / (time.perf_counter() - start):.0f} documents/s", flush=True)
    over.set()


def served(what, registry, urls, over):
    """Let a registry or a repository run in a process of its own."""
    with Registry() if what == "registry" else Repository(registry=registry) as system:
        if what == "registry":
            system.know(patient(1))
        urls.put(system.url)
        over.wait()


if __name__ == "__main__":
    main()
