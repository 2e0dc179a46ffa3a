"""DICOMweb on an archive's store: search (QIDO-RS), retrieve (WADO-RS) and store (STOW-RS), PS3.18 section 10.

    with Archive() as archive, DicomWeb(archive.store) as web:
        web.url                                         # http://127.0.0.1:.../dicom-web

Tornado, which comes with JupyterLab, carries the HTTP; curl, dicomweb-client and a browser can talk to it.
"""

import io
import json
import re
import uuid

from coursekit.errors import CourseError
from coursekit.standards import mime
from coursekit.systems.store import COUNTED, LEVELS, NotStorable, read_header
from coursekit.systems.system import HOST
from coursekit.systems.web import WebServer

ROOT = "/dicom-web"
BULK = {"OB", "OD", "OF", "OL", "OV", "OW", "UN"}
NATIVE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1"}
EXPLICIT = "1.2.840.10008.1.2.1"
UID = r"([0-9.]{1,64})"


class NotFound(CourseError):
    """What a request asks for is not here."""


class DicomWeb(WebServer):
    """A DICOMweb server on the loopback.

    store : the Store of an archive
    port  : where it listens; a free port if 0. Read `url` after `start`
    certificates : as of ``WebServer``
    """

    def __init__(self, store, name="DICOMweb", port=0, certificates=None):
        super().__init__(name, port, certificates)
        self.store = store

    @property
    def url(self):
        """The address to which /studies is added."""
        return f"{self.origin}{ROOT}"

    def _application(self):
        return _application(self)


def _application(web):
    from tornado.web import Application, RequestHandler

    class Resource(RequestHandler):
        """One request: `answer` of the route does it; whatever it raises becomes a status and a sentence."""

        def initialize(self, answer, stores=False):
            self.route, self.stores = answer, stores

        def get(self, *uids):
            """Search or retrieve."""
            self._do(lambda: self.route(web.store, self, *uids))

        def post(self, *uids):
            """Store."""
            if not self.stores:
                self.send_error(405)
                return
            self._do(lambda: store_objects(web.store, self, *uids))

        def _do(self, work):
            web.journal.add("client", web.name, f"{self.request.method} {self.request.path.removeprefix(ROOT)}")
            try:
                work()
            except NotFound as problem:
                self._refuse(404, problem)
            except BadRequest as problem:
                self._refuse(400, problem)
            except NotAcceptable as problem:
                self._refuse(406, problem)
            web.journal.add(web.name, "client", str(self.get_status()))

        def _refuse(self, status, problem):
            self.set_status(status)
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.finish(f"{problem}\n")

        def log_exception(self, kind, value, trace):
            """Nothing for the notebook to print."""

    study, series, instance = f"/studies/{UID}", f"/studies/{UID}/series/{UID}", f"/studies/{UID}/series/{UID}/instances/{UID}"
    routes = [
        ("/studies", search("STUDY"), True), (study, objects, True), (f"{study}/metadata", metadata, False),
        ("/series", search("SERIES"), False), (f"{study}/series", search("SERIES"), False), (series, objects, False),
        (f"{series}/metadata", metadata, False), ("/instances", search("IMAGE"), False), (f"{study}/instances", search("IMAGE"), False),
        (f"{series}/instances", search("IMAGE"), False), (instance, objects, False), (f"{instance}/metadata", metadata, False),
        (f"{instance}/rendered", rendered, False), (rf"{instance}/frames/(\d+(?:,\d+)*)", frames, False),
        (f"{instance}/bulkdata/([0-9A-Fa-f]{{8}})", bulk_data, False),
    ]
    return Application([(ROOT + path, Resource, {"answer": answer, "stores": stores}) for path, answer, stores in routes],
                       log_function=lambda handler: None)


class BadRequest(CourseError):
    """A request that makes no sense."""


class NotAcceptable(CourseError):
    """A request for a form of answer that is not to be had."""


# Search: QIDO-RS, PS3.18 section 10.6

def search(level):
    """The route that searches a level: "STUDY", "SERIES" or "IMAGE"."""
    above = ("StudyInstanceUID", "SeriesInstanceUID")

    def answer(store, request, *uids):
        from pydicom.dataset import Dataset

        keys = Dataset()
        limit, offset = _number(request, "limit"), _number(request, "offset") or 0
        for name in request.request.arguments:
            if name in ("limit", "offset", "includefield", "fuzzymatching"):
                continue
            keyword = _keyword(name)
            texts = [text for value in request.get_arguments(name) for text in (value.split(",") if keyword.endswith("UID") else [value])]
            setattr(keys, keyword, texts if len(texts) > 1 else texts[0])
        for keyword, uid in zip(above, uids):
            setattr(keys, keyword, uid)
        if request.get_argument("fuzzymatching", "false") == "true":
            request.set_header("Warning", f'299 {HOST}: "The fuzzymatching parameter is not supported. Only literal matching has been performed."')
        odd = [element.keyword for element in keys if element.keyword not in (*LEVELS[level], *COUNTED[level])]
        if odd:
            raise BadRequest(f"This server does not search for {', '.join(odd)}.")
        found = store.find(level, keys)[offset:][:limit]
        if not found:
            request.set_status(204)
            return
        for item in found:
            item.RetrieveURL = "/".join([f"{request.request.protocol}://{request.request.host}{ROOT}", *(
                f"{part}/{item.get(keyword)}" for part, keyword in (("studies", above[0]), ("series", above[1]), ("instances", "SOPInstanceUID"))
                if keyword in item)])
        _json(request, [item.to_json_dict() for item in found])

    return answer


def _number(request, name):
    text = request.get_argument(name, None)
    if text is None:
        return None
    if not text.isdecimal():
        raise BadRequest(f"{name} is a whole number from 0, not {text}.")
    return int(text)


def _keyword(name):
    """The keyword of a query parameter, which may be a keyword or eight hexadecimal digits."""
    from pydicom.datadict import keyword_for_tag, tag_for_keyword

    if re.fullmatch("[0-9A-Fa-f]{8}", name) and keyword_for_tag(int(name, 16)):
        return keyword_for_tag(int(name, 16))
    if tag_for_keyword(name) is None:
        raise BadRequest(f"There is no attribute {name}.")
    return name


def _json(request, value):
    request.set_header("Content-Type", "application/dicom+json")
    request.write(json.dumps(value, ensure_ascii=False).encode("utf-8"))


# Retrieve: WADO-RS, PS3.18 section 10.4

def _kept(store, uids):
    kept = store.kept(**{name: [uid] for name, uid in zip(("study", "series", "sop"), uids)})
    if not kept:
        raise NotFound("There is no such object here, or it was withdrawn.")
    return kept


def objects(store, request, *uids):
    """The objects of a study, a series or an instance, as files in a multipart/related body."""
    kept, parts = _kept(store, uids), []
    wanted = _accepted(request, "application/dicom")
    for one in kept:
        parts.append(("application/dicom", converted(one, wanted)))
    _multipart(request, "application/dicom", parts)


def _accepted(request, kind):
    """Which transfer syntaxes the client takes, by its Accept: a set of UIDs, "*" for all. Raises NotAcceptable."""
    header = request.request.headers.get("Accept", "*/*")
    wanted, fits = set(), False
    for part in header.split(","):
        anything = part.strip().startswith("*/*")
        outer, given = mime.parameters(part.strip())
        if anything or outer in ("multipart/related", kind) and given.get("type", kind) == kind:
            fits = True
            wanted.add(given.get("transfer-syntax") or EXPLICIT)
    if not fits:
        raise NotAcceptable(f"This resource is to be had as multipart/related; type=\"{kind}\".")
    return wanted


def converted(one, wanted):
    """The bytes of an object's file in a transfer syntax that the client takes."""
    from pydicom import dcmread

    if "*" in wanted or one.transfer_syntax in wanted:
        return one.path.read_bytes()
    dataset = dcmread(one.path)
    try:
        if one.transfer_syntax not in NATIVE:
            dataset.decompress()
        dataset.file_meta.TransferSyntaxUID = EXPLICIT
        stream = io.BytesIO()
        dataset.save_as(stream, implicit_vr=False, little_endian=True, enforce_file_format=True)
    except (RuntimeError, ValueError, NotImplementedError, AttributeError) as problem:
        raise NotAcceptable("The object is stored compressed, and this server can't decompress it: "
                            "ask with transfer-syntax=* to have it as it is.") from problem
    return stream.getvalue()


def _multipart(request, kind, parts):
    boundary = uuid.uuid4().hex
    request.set_header("Content-Type", f'multipart/related; type="{kind}"; boundary={boundary}')
    for part_kind, content in parts:
        request.write(f"--{boundary}\r\nContent-Type: {part_kind}\r\nContent-Length: {len(content)}\r\n\r\n".encode("ascii"))
        request.write(content)
        request.write(b"\r\n")
    request.write(f"--{boundary}--\r\n".encode("ascii"))


def metadata(store, request, *uids):
    """All attributes of the objects in DICOM JSON (PS3.18 Annex F), with addresses in place of pixels and other long values."""
    from pydicom import dcmread

    found = []
    for one in _kept(store, uids):
        dataset = dcmread(one.path)
        base = (f"{request.request.protocol}://{request.request.host}{ROOT}/studies/{one.study}/series/{one.series}/instances/{one.sop}/bulkdata")

        def address(element, base=base):
            return f"{base}/{element.tag:08X}"

        found.append(dataset.to_json_dict(bulk_data_threshold=1024, bulk_data_element_handler=address))
    _json(request, found)


def bulk_data(store, request, *uids_and_tag):
    """The bytes of one attribute."""
    from pydicom import dcmread

    *uids, tag = uids_and_tag
    one, = _kept(store, uids)
    element = dcmread(one.path).get(int(tag, 16))
    if element is None or not isinstance(element.value, bytes):
        raise NotFound("The object has no such attribute, or it holds no bytes.")
    _multipart(request, "application/octet-stream", [("application/octet-stream", element.value)])


def _image(store, uids):
    """An object with pixels: (Dataset, its frames as an array). Raises NotFound, NotAcceptable."""
    from pydicom import dcmread

    one, = _kept(store, uids)
    dataset = dcmread(one.path)
    if "PixelData" not in dataset:
        raise NotFound("The object is no image.")
    try:
        pixels = dataset.pixel_array
    except Exception as problem:                            # a codec that is not there, pixels that are too few, ...
        raise NotAcceptable("The pixels can't be decoded here.") from problem
    count = int(dataset.get("NumberOfFrames") or 1)
    return dataset, pixels if count > 1 else pixels[None]


def frames(store, request, *uids_and_numbers):
    """Frames of an image, not compressed: each a part of bytes, little endian."""
    import numpy as np

    *uids, numbers = uids_and_numbers
    dataset, pixels = _image(store, uids)
    wanted = [int(number) for number in numbers.split(",")]
    if not all(1 <= number <= len(pixels) for number in wanted):
        raise NotFound(f"The image has frames 1 to {len(pixels)}.")
    little = pixels.astype(pixels.dtype.newbyteorder("<"))
    _multipart(request, "application/octet-stream",
               [(f"application/octet-stream; transfer-syntax={EXPLICIT}", np.ascontiguousarray(little[number - 1]).tobytes()) for number in wanted])


def rendered(store, request, *uids):
    """The (first frame of the) image as a viewer would show it: JPEG, or PNG when that is asked for."""
    import numpy as np
    from matplotlib.image import imsave
    from pydicom.pixels import apply_modality_lut, apply_voi_lut

    dataset, pixels = _image(store, uids)
    frame = pixels[0]
    if int(dataset.get("SamplesPerPixel", 1)) == 1:
        values = np.asarray(apply_voi_lut(apply_modality_lut(frame, dataset), dataset), dtype=float)
        low, high = float(values.min()), float(values.max())
        frame = ((values - low) / ((high - low) or 1) * 255).round().astype(np.uint8)
        if dataset.PhotometricInterpretation == "MONOCHROME1":
            frame = 255 - frame
    accept = request.request.headers.get("Accept", "*/*")
    kind = "image/png" if "image/png" in accept and "image/jpeg" not in accept else "image/jpeg"
    if not any(one in accept for one in ("*/*", "image/*", kind)):
        raise NotAcceptable("An image is rendered as image/jpeg or image/png.")
    stream = io.BytesIO()
    imsave(stream, frame, cmap="gray", vmin=0, vmax=255, format=kind.removeprefix("image/"))
    request.set_header("Content-Type", kind)
    request.write(stream.getvalue())


# Store: STOW-RS, PS3.18 section 10.5

def store_objects(store, request, *uids):
    """Keep the objects of a multipart/related body, and answer which were kept and which not."""
    from pydicom.dataset import Dataset

    kind, given = mime.parameters(request.request.headers.get("Content-Type", ""))
    if kind != "multipart/related" or not given.get("boundary"):
        raise BadRequest("Objects come in a multipart/related body with a boundary.")
    if given.get("type", "") not in ("application/dicom", ""):
        request.set_status(415)
        return
    kept, failed, answer = [], [], Dataset()
    for _, content in mime.split(request.request.body, given["boundary"]):
        item = Dataset()
        try:
            header = read_header(content)
            item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = header["SOPClassUID"], header["SOPInstanceUID"]
            if uids and header["StudyInstanceUID"] != uids[0]:
                raise NotStorable("It belongs to another study than the address says.")
            store.put(content)
            kept.append(item)
        except NotStorable:
            item.FailureReason = 0xC000
            failed.append(item)
        except OSError:
            item.FailureReason = 0xA700
            failed.append(item)
    if not kept and not failed:
        raise BadRequest("The body holds no object.")
    if kept:
        answer.ReferencedSOPSequence = kept
    if failed:
        answer.FailedSOPSequence = failed
    request.set_status(200 if not failed else 202 if kept else 409)
    _json(request, answer.to_json_dict())
