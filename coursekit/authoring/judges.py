"""Outside tools judge what an edition of the hospital holds: DICOM objects, captures, HL7 messages, audit trail, worklist.

None of the judges was written here, and none is needed by learners: the programs come from Debian's packages dicom3tools, dcmtk
and tshark, hl7apy and lxml from PyPI. One that is not installed is told in the table, and what it would have judged is not.

A remark of a judge is an error, a warning, or *expected*: either known to be no fault of the object (`KNOWN`, each with its
reason), or the fault that was made on purpose. A fault on purpose that its judge does not notice is an error.
"""

import importlib.metadata
import importlib.util
import multiprocessing
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from coursekit.errors import CourseError

ERROR, WARNING, EXPECTED = "error", "warning", "expected"
ON_PURPOSE = "on purpose"
NOT_INSTALLED = "not installed"
GRAYSCALE_PRESENTATION = "1.2.840.10008.5.1.4.1.1.11.1"
STRUCTURED_REPORTS = "1.2.840.10008.5.1.4.1.1.88."           # Key Object Selection is one of them

# Remarks that are right about nothing: the judge, what its remark is known by, why it is none of ours.
KNOWN = tuple((judge, re.compile(pattern), reason) for judge, pattern, reason in (
    ("dciodvfy", r'Inappropriate example root for UID - "2\.999\.',
     "2.999 is the arc for examples: right here, wrong in a hospital"),
    ("dciodvfy", r"^(ct_qc_|nm_flood|pattern_|plate_).*only permitted to be empty when actually unknown.*<Laterality>",
     "a test object has no side"),
    ("dciodvfy", r"^\w+-\d+-cut\.dcm: ", "cut down for the wire to identification and a small matrix"),
    ("dcentvfy", r"Duplicate SOPInstanceUID.*<ct_head(_rle)?/.*<ct_head(_rle)?/",
     "the router's compressed copy is the same instance"),
    ("dcentvfy", r"Different information entities for attribute - Element=<AccessionNumber>",
     "dcentvfy counts the accession number of an image to its series, that of a document to its study"),
    ("dcmj2pnm", "processing PET image", "said of every PET image"),
    ("dcm2img", "processing PET image", "said of every PET image"),
    ("hl7apy", r"Missing required child ORM_O01_CHOICE\.(RQD|RQ1|ODS|ODT|RXO)",
     "hl7apy 1.3.5 demands every member of the choice group of ORM^O01"),
    ("hl7apy", r"Value (99\w+|HL7\d{4}|ISO\d+) not in table HL70396 ",
     "table 0396 allows 99zzz, HL7nnnn and ISOnnnn; hl7apy 1.3.5 takes these patterns for codes, or lacks them"),
    ("hl7apy", r"Value ADT_A12 not in table HL70354 ", "hl7apy 1.3.5 has the structure ADT_A12, and leaves it out of table 0354"),
    ("hl7apy", r"not in table HL70074 in element OBR\.OBR_24", "IHE RAD-4 has the DICOM modality in OBR-24"),
    ("dsrdump", "Check for template constraints not yet supported", "said of every document that names its template"),
    ("hl7apy", r"^ACK 2\.3: ", "hl7apy 1.3.5 finds the structure of an acknowledgement by MSH-9.3, which version 2.3 does not have"),
))


class Remark(NamedTuple):
    """What a judge said: `where` (a file, a frame, a message), `level` (error, warning, expected), and its `text`."""

    where: str
    level: str
    text: str


class Row(NamedTuple):
    """What one judge said of one sort of thing: `files` were judged; without its tool none, and `version` tells why."""

    what: str
    judge: str
    version: str
    files: int
    remarks: list

    def count(self, level):
        return sum(remark.level == level for remark in self.remarks)


class Item(NamedTuple):
    """A DICOM file to be judged: its path below the folder, SOP class, and whether it has pixels."""

    where: str
    sop_class: str
    pixels: bool


def judge(h, jobs=2, schemas=None, progress=lambda done, total, text: None):
    r"""Have everything judged that the edition holds.

    Parameters
    ----------
    h : Hospital
    jobs : int
        How many judges work at once.
    schemas : path, optional
        A folder with the audit message of PS3.15 A.5.1 as an XML schema, in dicom-audit/\*.xsd; without it, the audit trail
        is not judged.
    progress : function, optional
        Called with (done, total, text); each part counts anew.

    Returns
    -------
    list of Row

    Raises CourseError when there is no such schema.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Work(h, jobs, Path(folder), progress)
        schema = _schema(schemas)                           # a wrong folder is told before the work
        # What takes longest comes last, so that what cannot be judged is known early.
        return [*objects(work), *wire(work), *captures(work), *audit(work, schema), *worklist(work), *feed(work)]


class Work(NamedTuple):
    """Of which hospital, by how many at once, in which folder, and whom to tell of the progress."""

    h: object
    jobs: int
    folder: Path
    progress: object

    def row(self, what, name, things, one):
        """The row of the judge `name`; `one` gives its remarks on one of the things."""
        found = version(name)
        if found == NOT_INSTALLED or not things:
            return Row(what, name, found, 0, [])
        remarks = []
        with ThreadPoolExecutor(self.jobs) as pool:
            for done, more in enumerate(pool.map(one, things), 1):
                remarks += more
                self.progress(done, len(things), f"{what}: {name}")
        return Row(what, name, found, len(things), remarks)


def said(name, where, level, text):
    """A remark; a known one is expected."""
    known = any(judge == name and pattern.search(f"{where}: {text}") for judge, pattern, _ in KNOWN)
    return Remark(where, EXPECTED if known else level, text)


# --- the tools


def version(name):
    """The version of a judge, program or package, or NOT_INSTALLED."""
    if name in ("hl7apy", "lxml", "pydicom"):
        return importlib.metadata.version(name) if importlib.util.find_spec(name) else NOT_INSTALLED
    if not shutil.which(name):
        return NOT_INSTALLED
    found = re.search(r"\d+\.\d+(\.\w+)*", _run(name, "-version" if name in ("dciodvfy", "dcentvfy") else "--version")[1])
    return found[0] if found else "?"


def _run(*command, folder=None):
    """Exit code and everything that a program said."""
    ran = subprocess.run([str(part) for part in command], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace")
    return ran.returncode, ran.stdout


def _dcmtk(name, where, *command, folder):
    """What a program of DCMTK says of a file: its lines begin with F:, E: or W: where something is wrong."""
    code, text = _run(name, *command, folder=folder)
    found = []
    for line in text.splitlines():
        if re.match("[FEW]: ", line) and not line.startswith("W: Test"):        # so dcmpschk begins and ends
            wrong = line[0] != "W" or "pixel count differ" in line
            found.append(said(name, where, ERROR if wrong else WARNING, line[3:]))
    if code and not any(remark.level == ERROR for remark in found):
        found.append(Remark(where, ERROR, f"{name} ends with exit code {code}"))
    if name == "dcmpschk" and "W: Test passed." not in text:
        found.append(Remark(where, ERROR, "the test is not passed"))
    return found


# --- DICOM objects


def objects(work):
    """All images of the catalogue, and the two files of Case 17 that are written byte by byte, one damaged on purpose."""
    from coursekit.hospital import bytes as artefacts
    from coursekit.hospital import images

    what, folder, items, names, unmade = "DICOM objects", work.folder / "objects", [], images.names(), []
    folder.mkdir()
    for done, name in enumerate(names, 1):
        try:
            made = work.h.image(name)
            for place, ds in enumerate(made if isinstance(made, list) else [made]):
                items.append(_written(folder, f"{name}/{place:04d}.dcm", ds))
        except Exception as error:                          # one that is not finished does not keep the others from being judged
            unmade.append(Remark(name, ERROR, f"not made: {type(error).__name__}: {error}"))
        work.progress(done, len(names), "making images")
    sound, damaged = (Item(f"17_{number}.dcm", artefacts.CT_IMAGE_STORAGE, True) for number in ("0011", "0012"))
    (folder / sound.where).write_bytes(artefacts.dicom_file(work.h.seed))
    (folder / damaged.where).write_bytes(artefacts.damaged_file(work.h.seed))
    items.append(sound)
    viewer = "dcm2img" if shutil.which("dcm2img") else "dcmj2pnm"        # the name since DCMTK 3.7

    def dump(item):
        found = _dcmtk("dcmdump", item.where, item.where, folder=folder)
        return _on_purpose(found, damaged.where, "it is damaged") if item == damaged else found

    return [
        Row("names in the catalogue", "pydicom", version("pydicom"), len(names), unmade),
        work.row(what, "dciodvfy", items, lambda item: _dciodvfy(item.where, folder)),
        work.row(what, "dcmdump", [*items, damaged], dump),
        work.row(what, viewer, [item for item in items if item.pixels], lambda item: _pictures(viewer, item.where, folder)),
        work.row(what, "dsrdump", [item for item in items if item.sop_class.startswith(STRUCTURED_REPORTS)],
                 lambda item: _dcmtk("dsrdump", item.where, item.where, folder=folder)),
        work.row(what, "dcmpschk", [item for item in items if item.sop_class == GRAYSCALE_PRESENTATION],
                 lambda item: _dcmtk("dcmpschk", item.where, item.where, folder=folder)),
        _entities(work, what, [item.where for item in items], folder),
    ]


def _written(folder, where, ds):
    path = folder / where
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return Item(where, str(ds.SOPClassUID), "PixelData" in ds)


def _on_purpose(remarks, where, fault):
    """What becomes of the remarks on a thing that has a fault on purpose: one that is expected, or an error if there are none."""
    if any(remark.level == ERROR for remark in remarks):
        return [Remark(where, EXPECTED, f"{ON_PURPOSE}: {fault}")]
    return [Remark(where, ERROR, f"{fault} on purpose, and the judge does not notice")]


def _dciodvfy(where, folder):
    found, recognised = [], False
    for line in _run("dciodvfy", where, folder=folder)[1].splitlines():
        match = re.match("(Error|Warning|Abort) - (.*)", line)
        recognised |= not match                             # a line of its own names what the object is
        if match:
            found.append(said("dciodvfy", where, WARNING if match[1] == "Warning" else ERROR, match[2]))
    return found if recognised else [*found, said("dciodvfy", where, WARNING, "the sort of object is not recognised, nor judged")]


def _entities(work, what, names, folder):
    """dcentvfy compares all files with one another: what belongs to one patient, study or series must be the same."""
    found = version("dcentvfy")
    if found == NOT_INSTALLED:
        return Row(what, "dcentvfy", found, 0, [])
    remarks = []
    for line in _run("dcentvfy", *names, folder=folder)[1].splitlines():
        match = re.match("(Error|Warning) - (.*)", line)
        if match:
            where = re.search("<([^>]*)> versus", line)
            remarks.append(said("dcentvfy", where[1] if where else "", ERROR if match[1] == "Error" else WARNING, match[2]))
    work.progress(1, 1, f"{what}: dcentvfy")
    return Row(what, "dcentvfy", found, len(names), remarks)


def _pictures(name, where, folder):
    """Every frame becomes a picture."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        return _dcmtk(name, where, "+Fa", where, Path(out) / "frame", folder=folder)


# --- network captures


def wire(work):
    """The objects in the captures' C-STORE requests, as files."""
    from coursekit.hospital import bytes as artefacts

    what, folder, items = "objects on the wire", work.folder / "wire", []
    folder.mkdir()
    for name in work.h.captures:
        for place, (syntax, message) in enumerate(_stored(work.h.capture(name).packets), 1):
            sop_class, uid = (message.command[f"AffectedSOP{part}UID"] for part in ("Class", "Instance"))
            kind = "CT" if sop_class == artefacts.CT_IMAGE_STORAGE else "cut"
            where = f"{name}-{place}-{kind}.dcm"
            meta = b"".join((
                artefacts.element(0x0002, 0x0001, "OB", b"\0\1"), artefacts.element(0x0002, 0x0002, "UI", sop_class),
                artefacts.element(0x0002, 0x0003, "UI", uid), artefacts.element(0x0002, 0x0010, "UI", syntax),
                artefacts.element(0x0002, 0x0012, "UI", "2.999.9.41")))
            length = artefacts.element(0x0002, 0x0000, "UL", len(meta).to_bytes(4, "little"))
            (folder / where).write_bytes(bytes(128) + b"DICM" + length + meta + message.data)
            items.append(where)
    return [work.row(what, "dciodvfy", items, lambda where: _dciodvfy(where, folder)),
            work.row(what, "dcmdump", items, lambda where: _dcmtk("dcmdump", where, where, folder=folder))]


def _stored(packets):
    """(transfer syntax, message) of each C-STORE request of a capture that arrived whole."""
    from coursekit.standards import pcap
    from coursekit.standards import upper_layer as ul

    for talk in pcap.connections(pcap.packets(packets)):
        try:
            asked, answered = (ul.split(stream.data)[0] for stream in talk.sent)
        except ul.BadPdu:
            continue                                        # no DICOM
        accept = ul.decode(answered[0]) if answered else None
        if isinstance(accept, ul.AssociateAccept):
            syntaxes = {context.id: context.transfer for context in accept.contexts}
            for message in ul.messages(map(ul.decode, asked)):
                if message.name == "C-STORE-RQ":
                    yield syntaxes[message.context], message


FIELDS = ("frame.number", "_ws.malformed", "ip.checksum.status", "tcp.checksum.status", "tcp.analysis.flags")
CHECKS = ("-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE")
BELOW = ("ethernet", "ip", "tcp")                           # layers whose faults show as tshark's analysis of TCP


def captures(work):
    """Every capture, dissected with checksums on: malformed packets, oddities of TCP, and the frames that show the fault."""
    folder = work.folder / "captures"
    folder.mkdir()

    def one(name):
        shown, file = work.h.capture(name), folder / f"{name}.pcap"
        file.write_bytes(shown.packets)
        return _tshark(file, name, shown.truth)

    return [work.row("captures", "tshark", list(work.h.captures), one)]


def _tshark(file, name, truth):
    fields = [part for field in FIELDS for part in ("-e", field)]
    code, text = _run("tshark", "-r", file, *CHECKS, "-T", "fields", "-E", "separator=;", *fields)
    rows = [line.split(";") for line in text.splitlines() if re.match(r"\d+;", line)]
    found = [] if code == 0 and rows else [Remark(name, ERROR, f"tshark does not read it: {text.strip()[-200:]}")]
    for frame, malformed, *checksums, analysis in rows:
        where = f"{name} frame {frame}"
        if malformed:
            found.append(Remark(where, ERROR, "malformed packet"))
        if "0" in checksums:
            found.append(Remark(where, ERROR, "wrong checksum"))
        if analysis and truth["layer"] in BELOW:
            found.append(Remark(where, EXPECTED, f"{ON_PURPOSE}: {truth['fault']}"))
        elif analysis:
            found.append(Remark(where, ERROR, "TCP is odd, and the truth says nothing of it"))
    code, text = _run("tshark", "-r", file, *CHECKS, "-Y", truth["filter"], "-T", "fields", "-e", "frame.number")
    shown = [int(line) for line in text.splitlines() if line.isdigit()]
    if code or shown != truth["frames"]:
        found.append(Remark(name, ERROR, f"the filter {truth['filter']!r} shows frames {shown}, not {truth['frames']}"))
    return found


# --- the feed


def feed(work):
    """Every message that crossed the engine's connections, by hl7apy's strict validation, in processes."""
    from coursekit.hospital.feed_quirks import QUIRKS

    found, messages, remarks = version("hl7apy"), work.h.feed, []
    if found == NOT_INSTALLED:
        return [Row("HL7 messages", "hl7apy", found, 0, [])]
    with ProcessPoolExecutor(work.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        answers = pool.map(strictly, (message.text for message in messages), chunksize=50)
        for done, (message, complaints) in enumerate(zip(messages, answers, strict=True), 1):
            where = f"{message.event} {message.sender} to {message.receiver} {message.control_id}"
            if message.event == "ACK" and "|P|2.3\r" in message.text:
                where = f"ACK 2.3: {where}"
            of_this = [said("hl7apy", where, level, text) for level, text in complaints]
            quirks = [quirk for quirk in message.quirks if QUIRKS[quirk].strict_fails]
            remarks += _on_purpose(of_this, where, f"quirk {quirks[0]!r}") if quirks else of_this
            work.progress(done, len(messages), "HL7 messages: hl7apy")
    return [Row("HL7 messages", "hl7apy", found, len(messages), remarks)]


def strictly(text):
    """What hl7apy's strict validation says of a message: a list of (level, text), false alarms among them."""
    from hl7apy.consts import VALIDATION_LEVEL
    from hl7apy.exceptions import HL7apyException
    from hl7apy.parser import parse_message

    report = Path(tempfile.gettempdir()) / f"coursekit-hl7apy-{os.getpid()}.txt"
    try:
        message = parse_message(text, validation_level=VALIDATION_LEVEL.STRICT)
        try:
            message.validate(report_file=str(report))
        except HL7apyException:
            pass                                            # it raises the first of those that the report lists
        lines = report.read_text(encoding="utf-8").splitlines()
        report.unlink()
    except (HL7apyException, ValueError) as error:
        return [(ERROR, f"{type(error).__name__}: {error}")]
    return [(ERROR if line.startswith("Error") else WARNING, line.partition(": ")[2]) for line in lines]


# --- the audit trail


def _schema(folder):
    """The file of the audit message's schema, or None if no folder is given."""
    if folder is None:
        return None
    files = sorted((Path(folder) / "dicom-audit").glob("*.xsd"))
    if not files:
        raise CourseError(f"There is no schema dicom-audit/*.xsd in {folder}.")
    return files[-1]


def audit(work, schema):
    """Every message of the audit trail, by the schema."""
    from coursekit.standards.audit import read_syslog

    found = version("lxml")
    if found == NOT_INSTALLED or schema is None:
        return [Row("audit messages", "lxml", found if schema else "no --schemas", 0, [])]
    from lxml import etree

    valid, remarks, trail = etree.XMLSchema(file=str(schema)), [], work.h.audit
    for event, line in zip(trail.events, trail.lines, strict=True):
        where, of_this = f"message {event.number}", []
        try:
            if not valid.validate(etree.fromstring(read_syslog(line).text.encode("utf-8"))):
                of_this = [Remark(where, ERROR, error.message) for error in valid.error_log]
        except etree.XMLSyntaxError as error:
            of_this = [Remark(where, ERROR, str(error))]
        remarks += _on_purpose(of_this, where, event.malformed) if event.malformed else of_this
        if event.number % 1000 == 0:
            work.progress(event.number, len(trail.lines), "audit messages: schema")
    return [Row(f"audit messages, by {schema.stem}", "lxml", found, len(trail.lines), remarks)]


# --- the worklist


def worklist(work):
    """The worklist as it is now, served by DCMTK's wlmscpfs: findscu must get each item that was put in."""
    from coursekit.hospital import worklist as lists

    what, items, folder = "worklist items", work.h.worklist.items(), work.folder / "worklist" / "HV_MWL"
    found = NOT_INSTALLED if version("findscu") == NOT_INSTALLED else version("wlmscpfs")
    if found == NOT_INSTALLED:
        return [Row(what, "wlmscpfs", found, 0, [])]
    folder.mkdir(parents=True)
    (folder / "lockfile").touch()
    for number, item in enumerate(items):
        _save_item(lists.dataset(item), folder / f"{number:05d}.wl")
    asked = Counter(item["ScheduledProcedureStepSequence"][0]["Modality"] for item in items)
    answered = _answers(folder.parent, asked)
    remarks = [Remark(modality, ERROR, f"{answered[modality]} of {asked[modality]} items answered")
               for modality in asked if answered[modality] != asked[modality]]
    work.progress(1, 1, what)
    return [Row(what, "wlmscpfs", found, len(items), remarks)]


def _save_item(ds, path):
    from pydicom import dcmwrite
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dcmwrite(path, ds, little_endian=True, implicit_vr=False)


def _answers(folder, modalities):
    """How many items the server in `folder` answers, by modality."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(["wlmscpfs", "-s", "-dfp", str(folder), str(port)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while _run("echoscu", "-aec", "HV_MWL", "127.0.0.1", port)[0] and time.monotonic() < deadline:
            time.sleep(0.1)
        found = {}
        for modality in modalities:
            _, text = _run("findscu", "-v", "-W", "-aec", "HV_MWL", "-k", "AccessionNumber", "-k", "PatientName", "-k",
                           f"ScheduledProcedureStepSequence[0].Modality={modality}", "127.0.0.1", port)
            found[modality] = len(re.findall(r"^I: Find Response:? ?\d+ \(Pending\)", text, re.MULTILINE))
        return found
    finally:
        server.terminate()
        server.wait()


# --- what came out


def failed(rows):
    """Whether a judge found an error that is not expected."""
    return any(row.count(ERROR) for row in rows)


HEADINGS = ("what", "judge", "version", "files", "errors", "warnings", "expected")


def table(rows):
    """The rows as text, a line each."""
    cells = [HEADINGS]
    for row in rows:
        told = [f"{row.count(level):,}" if row.files else "-" for level in (ERROR, WARNING, EXPECTED)]
        cells.append((row.what, row.judge, row.version, f"{row.files:,}", *told))
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) if column < 3 else cell.rjust(width)
                       for column, (cell, width) in enumerate(zip(line, widths, strict=True))) for line in cells]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def details(rows):
    """What was said, alike remarks together: lines with how often, and where for the first time."""
    lines = []
    for level, head in ((ERROR, "Errors"), (WARNING, "Warnings"), (EXPECTED, "Expected")):
        met, first = Counter(), {}
        for row in rows:
            for remark in row.remarks:
                if remark.level == level:
                    key = row.judge, _reason(row.judge, remark) if level == EXPECTED else _alike(remark.text)
                    met[key] += 1
                    first.setdefault(key, remark)
        if met:
            lines += ["", f"{head}:"]
        for (judge, text), count in sorted(met.items(), key=lambda entry: (-entry[1], entry[0])):
            place = "" if level == EXPECTED else f"  [first: {first[judge, text].where}]"
            lines.append(f"  {count:>7,}  {judge}: {text}{place}")
    return "\n".join(lines)


def _alike(text):
    """A remark's text without what differs from file to file."""
    return re.sub(r'<[^<>]*\.dcm>|"?2\.999[.\d]*"?', "...", text)


def _reason(name, remark):
    for judge, pattern, reason in KNOWN:
        if judge == name and pattern.search(f"{remark.where}: {remark.text}"):
            return reason
    return remark.text
