"""Headers of radiographs and mammograms as this site's devices write them, for hanging protocols: with the site's dirt, without pixels.

`site(seed)` is sixty studies of one day; `constellations(seed)` are studies with what the archive holds of the same patient.
The pixels that such a header could have are those of `coursekit.hospital.images`: `picture` names the image, `shown` how it lies.
"""

from functools import lru_cache
from typing import NamedTuple

from coursekit.hospital.draws import Draws
from coursekit.hospital.images import mg

BREAST_FLAT, BREAST_RAW, TOMOSYNTHESIS = mg.FOR_PRESENTATION, mg.FOR_PROCESSING, mg.TOMOSYNTHESIS
DX, DX_RAW, CR = "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1"
TODAY = "20250407"

CODES = {  # view: SCT, the SRT code before it, meaning
    "CC": ("399162004", "R-10242", "cranio-caudal"), "MLO": ("399368009", "R-10226", "medio-lateral oblique"),
    "ML": ("399260004", "R-10224", "medial-lateral"), "PA": ("272479007", "R-40888", "postero-anterior"),
    "AP": ("399348003", "R-10206", "antero-posterior"), "LL": ("399173006", "R-10236", "left lateral"),
    "spot": ("399055006", "R-102D7", "Spot Compression"), "magnified": ("399163009", "R-102D6", "Magnification"),
    "implant": ("399209000", "R-102D5", "Implant Displaced"), "rolled": ("399197002", "R-102D3", "Rolled Lateral"),
}
CHEST_ORIENTATION = {"PA": ["L", "F"], "AP": ["L", "F"], "LL": ["P", "F"]}


class Header(dict):
    """A header: keyword -> value, sequences as lists of headers.

    truth   : what the image is: "RCC", "PA", "spot", "raw" ...
    picture : the hospital's image that it could have been
    flipped : whether its pixels lie the other way round than those of that image
    """

    def __init__(self, values, truth="", picture="", flipped=False):
        super().__init__(values)
        self.truth, self.picture, self.flipped = truth, picture, flipped

    def but(self, **changes):
        """A copy with other values; None takes an attribute away. `truth`, `picture` and `flipped` are the header's own."""
        own = {name: changes.pop(name, getattr(self, name)) for name in ("truth", "picture", "flipped")}
        return Header({name: value for name, value in {**self, **changes}.items() if value is not None}, **own)


class Study(NamedTuple):
    """A study. `body_part` is what its images say, `says` what it is in words."""

    accession: str
    date: str
    modality: str
    body_part: str
    description: str
    images: tuple
    says: str = ""


class Constellation(NamedTuple):
    """A study on the worklist, and the patient's other studies in the archive."""

    study: Study
    others: tuple


def code_item(name, scheme="SCT"):
    """A code as a header of its own."""
    new, old, meaning = CODES[name]
    return Header({"CodeValue": new if scheme == "SCT" else old, "CodingSchemeDesignator": scheme, "CodeMeaning": meaning})


def view_code(view, *modifiers, scheme="SCT"):
    """The View Code Sequence of a view, with its modifiers."""
    item = code_item(view, scheme)
    item["ViewModifierCodeSequence"] = [code_item(one, scheme) for one in modifiers]
    return [item]


def mammogram(side, view, number=1, *modifiers, minute=None):
    """The header of a mammogram as MG1 writes it."""
    minute = 2 * number if minute is None else minute
    name = f"{side}{view}"
    return Header({
        "SOPClassUID": BREAST_FLAT, "Modality": "MG", "PresentationIntentType": "FOR PRESENTATION", "BodyPartExamined": "BREAST",
        "ViewPosition": view, "ViewCodeSequence": view_code(view, *modifiers), "ImageLaterality": side,
        "PatientOrientation": list(mg.ORIENTATIONS.get(name, ("P", "F") if side == "R" else ("A", "F"))),
        "SeriesDescription": f"{side} {view}", "SeriesNumber": 1, "InstanceNumber": number, "ContentTime": f"11{minute:02d}30",
    }, truth=modifiers[0] if modifiers else name, picture=f"mg_{name.lower()}")


def four_views(minute=0):
    """The four standard views as MG1 writes them."""
    return [mammogram(side, view, number, minute=minute + 2 * number)
            for number, (side, view) in enumerate((("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO")), 1)]


def raw_of(image):
    """The For Processing partner of an image."""
    sop_class = BREAST_RAW if image["Modality"] == "MG" else DX_RAW
    return image.but(SOPClassUID=sop_class, PresentationIntentType="FOR PROCESSING", SeriesNumber=image["SeriesNumber"] + 1,
                     SeriesDescription=image["SeriesDescription"] + " raw", truth="raw")


def of_eastcliff(image):
    """The same mammogram as Eastcliff's unit writes it: old codes, no View Position, no body part, right breasts stored flipped."""
    view = "CC" if image.truth.endswith("CC") else "MLO"
    orientation = ["A", "L"] if image.truth == "RCC" else ["A", "FL"] if image.truth == "RMLO" else image["PatientOrientation"]
    return image.but(ViewPosition=None, ViewCodeSequence=view_code(view, scheme="SRT"), BodyPartExamined=None,
                     SeriesDescription="SCREENING", PatientOrientation=orientation, flipped=image["ImageLaterality"] == "R")


def tomosynthesis(side, view, number=5):
    """A tomosynthesis as MG1 writes it: no View Position, Image Laterality or Patient Orientation; a functional group has its side."""
    image = mammogram(side, view, number)
    anatomy = Header({"FrameAnatomySequence": [Header({"FrameLaterality": side})]})
    picture = "dbt_lmlo" if (side, view) == ("L", "MLO") else image.picture
    return image.but(SOPClassUID=TOMOSYNTHESIS, PresentationIntentType=None, ViewPosition=None, ImageLaterality=None,
                     PatientOrientation=None, SharedFunctionalGroupsSequence=[anatomy], SeriesNumber=3,
                     SeriesDescription=f"DBT {side} {view}", truth=f"{side}{view} tomo", picture=picture)


def radiograph(view, modality="DX", part="CHEST", number=1, minute=None):
    """The header of a radiograph of the chest as DX_CH1 or CR_ER1 writes it; the plate reader knows no code of the view."""
    values = {
        "SOPClassUID": DX if modality == "DX" else CR, "Modality": modality, "BodyPartExamined": part, "ViewPosition": view,
        "PatientOrientation": CHEST_ORIENTATION[view], "ImageLaterality": "U", "SeriesDescription": "LAT" if view == "LL" else view,
        "SeriesNumber": 1, "InstanceNumber": number, "ContentTime": f"08{(2 * number if minute is None else minute):02d}10",
    }
    if modality == "DX":
        values |= {"PresentationIntentType": "FOR PRESENTATION", "ViewCodeSequence": view_code(view)}
    picture = "cr_chest_pa" if modality == "CR" and view != "LL" else f"dx_chest_{'lat' if view == 'LL' else 'pa'}"
    return Header(values, truth="LAT" if view == "LL" else view, picture=picture)


def limb(part, side, number=1, view="PA"):
    """A radiograph of an extremity."""
    return Header({
        "SOPClassUID": DX, "Modality": "DX", "PresentationIntentType": "FOR PRESENTATION", "BodyPartExamined": part, "ViewPosition": view,
        "ImageLaterality": side, "SeriesDescription": view, "SeriesNumber": 1, "InstanceNumber": number, "ContentTime": f"09{number:02d}00",
    }, truth="other", picture="dx_hand" if part == "HAND" else "")


def slices(modality, part, number=3):
    """A few headers of a series of slices."""
    return [Header({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2" if modality == "CT" else "1.2.840.10008.5.1.4.1.1.4", "Modality": modality,
                    "BodyPartExamined": part, "SeriesDescription": "AXIAL", "SeriesNumber": 2, "InstanceNumber": one,
                    "ContentTime": f"1000{one:02d}"}, truth="other") for one in range(1, number + 1)]


def dataset(header):
    """A header as a pydicom Dataset."""
    import pydicom

    ds = pydicom.Dataset()
    for keyword, value in header.items():
        if type(value) is list and value and isinstance(value[0], Header):
            value = [dataset(item) for item in value]
        elif keyword.endswith("Sequence") and not value:
            value = []
        setattr(ds, keyword, value)
    return ds


class _Archive:
    """Hands out studies with accession numbers of their own."""

    def __init__(self, seed, room):
        self.draws = Draws(seed, room)
        self.count = self.draws.one(100, 600)

    def study(self, images, description, says="", date=TODAY):
        self.count += self.draws.one(1, 6)
        first = images[0]
        part = first.get("BodyPartExamined", "")
        return Study(f"A{date[2:]}{self.count:04d}", date, first["Modality"], part, description, tuple(images), says)

    def ago(self, years):
        """A day so many years and some months ago."""
        return f"{2025 - years}{self.draws.one(1, 3):02d}{self.draws.one(1, 28):02d}"


@lru_cache(maxsize=16)
def site(seed):
    """Sixty studies of one day: a tuple of Study."""
    make = _Archive(seed, "hanging site")
    draws, found = make.draws, []
    portable = draws.one(9, 11)
    thorax, plates, nameless = draws.one(4, 6), draws.one(2, 3), draws.one(4, 5)
    both = lambda modality, part: [radiograph("PA", modality, part, 1), radiograph("LL", modality, part, 2)]
    found += [make.study([radiograph("AP", "CR", "PORT CXR")], "CHEST PORTABLE") for _ in range(portable)]
    found += [make.study(both("CR", "THORAX"), "XR CHEST PA/LAT") for _ in range(thorax)]
    found += [make.study(both("CR", "CHEST"), "XR CHEST PA/LAT") for _ in range(plates)]
    found += [make.study([of_eastcliff(image) for image in four_views()], "SCREENING") for _ in range(nameless)]
    found += [make.study(four_views(), "MG SCREENING") for _ in range(7)]
    found += [make.study(slices("CT", "CHEST"), "CT CHEST") for _ in range(4)]
    found += [make.study(slices("MR", "BRAIN"), "MR BRAIN") for _ in range(3)]
    for part in ("HAND", "KNEE", "FOOT"):
        found += [make.study([limb(part, draws.one(0, 1) and "R" or "L", 1), limb(part, "R", 2, "LL")], f"XR {part}") for _ in range(3)]
    found += [make.study(both("DX", "CHEST"), "XR CHEST PA/LAT") for _ in range(60 - len(found))]
    order = list(draws.below(1_000_000, 60))
    return tuple(one for _, _, one in sorted((int(key), place, one) for place, (key, one) in enumerate(zip(order, found))))


@lru_cache(maxsize=16)
def constellations(seed):
    """Studies to hang, each with what the archive holds of the patient: a tuple of Constellation."""
    make = _Archive(seed, "hanging constellations")
    return (*_chests(make), *_breasts(make))


def _chests(make):
    pair = lambda modality="DX", part="CHEST": [radiograph("PA", modality, part, 1), radiograph("LL", modality, part, 2)]
    name, portable = "XR CHEST PA/LAT", "CHEST PORTABLE"
    old = lambda years, images=None, text=name: make.study(images or pair(), text, date=make.ago(years))
    near, far = make.draws.one(1, 2), make.draws.one(3, 4)
    coded = radiograph("LL", number=2).but(ViewPosition=None, ViewCodeSequence=view_code("LL", scheme="SRT"))
    turned = radiograph("PA").but(PatientOrientation=["R", "F"], flipped=True)
    later = radiograph("PA", number=3, minute=20).but(SeriesDescription="PA repeat")
    yield Constellation(make.study(pair(), name, "chest PA and lateral, no prior"), ())
    yield Constellation(make.study(pair(), name, "chest PA and lateral with two priors"), (old(near), old(far)))
    yield Constellation(make.study(pair("CR", "THORAX"), name, "chest on plates, with a digital prior"), (old(near),))
    yield Constellation(make.study(pair(), name, "digital chest with a prior on plates"), (old(far, pair("CR", "THORAX")),))
    yield Constellation(make.study([radiograph("PA")], name, "chest PA only, with a prior"), (old(near),))
    yield Constellation(make.study([radiograph("LL")], name, "chest lateral only, no prior"), ())
    yield Constellation(make.study([radiograph("AP", "CR", "PORT CXR")], portable, "portable chest, with a portable prior"),
                        (old(0, [radiograph("AP", "CR", "PORT CXR")], portable),))
    yield Constellation(make.study([radiograph("AP", "CR", "PORT CXR")], portable, "portable chest, the prior is a PA"), (old(near),))
    yield Constellation(make.study([radiograph("AP", "CR", "CHEST").but(SeriesDescription="PA")], portable,
                                   "portable chest, described as PA, no prior"), ())
    with_raw = [raw_of(radiograph("PA")), radiograph("PA", number=2), radiograph("LL", number=3)]
    yield Constellation(make.study(with_raw, name, "chest with its raw image"), ())
    yield Constellation(make.study([turned, radiograph("LL", number=2)], name, "chest whose PA was stored mirrored"), (old(far),))
    yield Constellation(make.study([radiograph("PA"), coded], name, "chest whose lateral has a code only"), ())
    yield Constellation(make.study(pair(), name, "chest, with a newer CT and a newer hand"),
                        (old(near, slices("CT", "CHEST"), "CT CHEST"), old(far), old(near, [limb("HAND", "L")], "XR HAND")))
    yield Constellation(make.study(pair(), name, "chest, the only prior is seven years old"), (old(7),))
    first = radiograph("PA").but(truth="the PA that was repeated")
    yield Constellation(make.study([first, radiograph("LL", number=2), later], name, "chest with a repeated PA"), ())
    yield Constellation(make.study(slices("CT", "CHEST"), "CT CHEST", "CT of the chest with a prior CT"),
                        (old(near, slices("CT", "CHEST"), "CT CHEST"),))
    filed = "chest on plates filed as PORT CXR"
    yield Constellation(make.study(pair("CR", "PORT CXR"), name, f"{filed}, no prior"), ())
    yield Constellation(make.study(pair("CR", "PORT CXR"), name, f"{filed}, with a prior"), (old(near),))
    yield Constellation(make.study([radiograph("AP", "CR", "THORAX")], portable, "portable chest, filed as THORAX, no prior"), ())
    yield Constellation(make.study([radiograph("AP")], portable, "digital AP in bed, with an AP before"),
                        (old(near, [radiograph("AP")], portable),))
    for part, says in (("FOOT", "a foot"), ("KNEE", "a knee"), ("HAND", "a hand in plaster")):
        yield Constellation(make.study([limb(part, "R", 1, "AP"), limb(part, "R", 2, "LL")], f"XR {part}", f"{says}, AP and lateral"), ())
    hand = [limb("HAND", "R"), limb("HAND", "R", 2)]
    yield Constellation(make.study(hand, "XR HAND", "a hand, with a chest in the archive"), (old(near),))
    yield Constellation(make.study(hand, "XR HAND", "a hand, with a hand before"), (old(near, hand, "XR HAND"),))
    yield Constellation(make.study([radiograph("LL")], name, "chest lateral only, with a prior"), (old(near),))
    plate = [radiograph("PA", "CR", "THORAX")]
    yield Constellation(make.study(plate, name, "PA alone, on a plate filed as THORAX, no prior"), ())
    yield Constellation(make.study(slices("CT", "CHEST"), "CT CHEST", "CT of the chest, no prior"), ())


def _breasts(make):
    name = "MG SCREENING"
    old = lambda years, images=None, text=name: make.study(images or four_views(), text, date=make.ago(years))
    near, far = make.draws.one(1, 2), make.draws.one(3, 4)
    four = four_views()
    spot = mammogram("L", "MLO", 6, "spot", "magnified", minute=40)
    displaced = [mammogram(image["ImageLaterality"], image["ViewPosition"], number, "implant", minute=20 + number)
                 for number, image in enumerate(four_views(), 5)]
    lefts = [image for image in four if image["ImageLaterality"] == "L"]
    again = mammogram("R", "MLO", 5, minute=30)
    failed = four[2].but(truth="the oblique that was repeated")
    yield Constellation(make.study(four, name, "four views, no prior"), ())
    yield Constellation(make.study(four, name, "four views with two priors"), (old(near), old(far)))
    eastcliff = [of_eastcliff(image) for image in four]
    yield Constellation(make.study(eastcliff, "SCREENING", "Eastcliff's four views with a prior of ours"), (old(near),))
    yield Constellation(make.study(four, name, "four views, the prior is Eastcliff's"), (old(far, eastcliff, "SCREENING"),))
    yield Constellation(make.study([*(raw_of(image) for image in four), *four], name, "four views with their raw images"), ())
    yield Constellation(make.study([*four[:3], spot], "MG DIAGNOSTIC", "three views and a spot view"), ())
    yield Constellation(make.study([*four, *displaced], name, "implants: four views, four implant-displaced"), ())
    yield Constellation(make.study([*four, tomosynthesis("L", "MLO")], "MG DIAGNOSTIC", "four views and a tomosynthesis"), ())
    fourth = [*four[:3], tomosynthesis("L", "MLO", 4)]
    yield Constellation(make.study(fourth, "MG DIAGNOSTIC", "three views, the fourth as tomosynthesis"), ())
    yield Constellation(make.study(lefts, name, "left breast only, with four views before"), (old(far),))
    yield Constellation(make.study([*four[:2], failed, four[3], again], name, "four views, the right oblique repeated"), ())
    yield Constellation(make.study([image.but(Laterality="L") for image in four], name, "one series with the side of its last image"), ())
    yield Constellation(make.study([four[0].but(SeriesDescription="R MLO"), *four[1:]], name, "four views, a CC described as MLO"), ())
    backwards = [image.but(InstanceNumber=9 - image["InstanceNumber"]) for image in four[::-1]]
    yield Constellation(make.study(backwards, name, "images numbered backwards"), ())
    yield Constellation(make.study([four[0].but(PatientOrientation=None), *four[1:]], name, "one view without Patient Orientation"), ())
    yield Constellation(make.study(four, name, "four views, the only prior is eight years old"), (old(8),))
    chest = old(near, [radiograph("PA"), radiograph("LL")], "XR CHEST")
    yield Constellation(make.study(four, name, "four views, and a newer chest in the archive"), (chest, old(far)))
    mr = old(near, slices("MR", "BREAST"), "MR BREAST")
    yield Constellation(make.study(four, name, "four views, and a newer MR of the breast"), (mr, old(far)))
    nearly, over = (make.study(four_views(), name, date=date) for date in ("20200501", "20200316"))
    yield Constellation(make.study(four, name, "four views, a prior of nearly five years"), (nearly,))
    yield Constellation(make.study(four, name, "four views, a prior of just over five years"), (over,))
    contrary = [four[0].but(ViewPosition="MLO"), *four[1:]]
    yield Constellation(make.study(contrary, name, "four views, a CC whose View Position says MLO"), ())
    sideless = [four[0].but(Laterality="R"), four[1].but(ImageLaterality=None, Laterality="R"), *four[2:]]
    yield Constellation(make.study(sideless, name, "four views, one without Image Laterality"), ())
    uncoded = [*four[:3], four[3].but(ViewCodeSequence=None)]
    yield Constellation(make.study(uncoded, name, "four views, one with a View Position alone"), ())
    specimen = mammogram("R", "CC", 5, minute=50).but(ViewPosition=None, ViewCodeSequence=None, PatientOrientation=None, truth="specimen",
                                                      picture="")
    yield Constellation(make.study([*four, specimen], "MG DIAGNOSTIC", "four views and a specimen described as R CC"), ())
    yield Constellation(make.study(eastcliff, "SCREENING", "Eastcliff's four views, no prior"), ())
    yield Constellation(make.study([four[0]], name, "right CC only, no prior"), ())
    yield Constellation(make.study([four[3]], name, "left oblique only, no prior"), ())
    yield Constellation(make.study([four[2]], name, "right oblique only, with four views before"), (old(near),))
    yield Constellation(make.study([four[1]], name, "left CC only, with four views before"), (old(far),))
    for others in ((), (old(near, slices("MR", "BREAST"), "MR BREAST"),)):
        says = "MR of the breast, with an MR before" if others else "MR of the breast, no prior"
        yield Constellation(make.study(slices("MR", "BREAST"), "MR BREAST", says), others)
    echo = [one.but(SOPClassUID="1.2.840.10008.5.1.4.1.1.6.1") for one in slices("US", "BREAST")]
    yield Constellation(make.study(echo, "US BREAST", "ultrasound of the breast, no prior"), ())
