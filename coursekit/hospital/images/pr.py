"""Grayscale softcopy presentation states: how to show images, kept apart from the images (PS3.3 A.33.1, PS3.4 N).

    pr_ct_chest  the nodule of "ct_chest": lung window, magnified, with a circle, an arrow and a text
    pr_cr_chest  the radiograph "cr_chest_pa" as seen from the patient's back, for the thoracic surgeon: mirrored

A presentation state says everything anew: it brings the Modality LUT along, and it says whether low values are dark
(Presentation LUT Shape IDENTITY) or bright (INVERSE, for an image of MONOCHROME1), for the image's own Photometric
Interpretation and windows no longer count.

Coordinates of graphics in units of PIXEL count from 0.0 at the outer corner of the first pixel, so that its centre is at
0.5; those of the displayed area count pixels from 1 (PS3.3 C.10.5, C.10.4).

`truth` gives
    images    name of the image or series that it shows
    instances list of SOP Instance UIDs of the slices that it is for
    window    (centre, width), in the units of the Modality LUT
    area      displayed area: (column, row) of the image's pixel shown top left, then of that shown bottom right, from 1;
              in a mirrored picture the first column is the higher one
    nodule    of "pr_ct_chest": (column, row, radius) of the circle in PIXEL units
    flip, rotation, shape   what is done to the picture
"""

from coursekit.hospital.images import common, ko
from coursekit.standards import key_objects

PR_STORAGE = "1.2.840.10008.5.1.4.1.1.11.1"
SERIES = 701  # presentation states have the seven hundreds, as in the archive
LUNG, CHEST = (-600, 1500), (2150, 2300)
BACK = "AS SEEN FROM THE BACK"


def _state(shown, time, label, description, window, area, explanation, shape):
    """A presentation state for `shown`, images of one series: all but graphics and transformation."""
    first = shown[0]
    ds = ko.beside(first, PR_STORAGE, SERIES, "WS_CH1", first.StudyDate, time)
    ds.Modality, ds.SeriesDescription, ds.InstanceNumber = "PR", "Presentation state", 1
    ds.BodyPartExamined = first.BodyPartExamined
    ds.ContentLabel, ds.ContentDescription, ds.ContentCreatorName = label, description, "DEMO^READER"
    ds.PresentationCreationDate, ds.PresentationCreationTime = first.StudyDate, time
    references = [key_objects.reference(one.SOPClassUID, one.SOPInstanceUID) for one in shown]
    ds.ReferencedSeriesSequence = [common.item(SeriesInstanceUID=first.SeriesInstanceUID, ReferencedImageSequence=references)]
    pixel = {"PresentationPixelSpacing": [str(value) for value in first.get("PixelSpacing", first.get("ImagerPixelSpacing"))]}
    ds.DisplayedAreaSelectionSequence = [common.item(
        DisplayedAreaTopLeftHandCorner=list(area[:2]), DisplayedAreaBottomRightHandCorner=list(area[2:]),
        PresentationSizeMode="SCALE TO FIT", **pixel)]
    common.scale(ds, float(first.RescaleSlope), float(first.RescaleIntercept), first.RescaleType)
    ds.SoftcopyVOILUTSequence = [common.item(
        WindowCenter=str(window[0]), WindowWidth=str(window[1]), WindowCenterWidthExplanation=explanation)]
    ds.PresentationLUTShape = shape
    return ds


def _layer(ds, name, description):
    ds.GraphicLayerSequence = [common.item(GraphicLayer=name, GraphicLayerOrder=1, GraphicLayerDescription=description,
                                           GraphicLayerRecommendedDisplayGrayscaleValue=0xFFFF)]


def _drawn(kind, points):
    """A graphic object in PIXEL units, not filled: `points` are (column, row)."""
    made = common.item(GraphicAnnotationUnits="PIXEL", GraphicDimensions=2, NumberOfGraphicPoints=len(points),
                       GraphicData=[value for point in points for value in point], GraphicType=kind)
    if kind == "CIRCLE":  # only what is closed can be filled, and has to say whether it is
        made.GraphicFilled = "N"
    return made


def _quarter(value):
    """`value` to a quarter of a pixel, which a float of four bytes (VR FL) holds exactly."""
    return round(4 * value) / 4


class _Nodule:
    """Where the nodule lies in its slice, in PIXEL units, and what of the slice is displayed."""

    def __init__(self, seed):
        from coursekit.hospital import images

        self.told = images.truth("ct_chest", seed)["nodule"]
        self.slices = ko.nodule_slices(seed)
        ds = self.slices[0]
        spacing = float(ds.PixelSpacing[0])
        column, row = ((value - float(corner)) / spacing + 0.5
                       for value, corner in zip(self.told["centre"][:2], ds.ImagePositionPatient[:2], strict=True))
        self.radius = _quarter(self.told["diameter"] / 2 / spacing + 4)
        self.column, self.row = _quarter(column), _quarter(row)
        # The hemithorax with the nodule: half the matrix, moved to stay inside.
        half = ds.Columns // 4
        left = min(max(round(column) - half, 1), ds.Columns - 2 * half + 1)
        top = min(max(round(row) - half, 1), ds.Rows - 2 * half + 1)
        self.area = (left, top, left + 2 * half - 1, top + 2 * half - 1)


def _pr_ct_chest(seed):
    nodule = _Nodule(seed)
    ds = _state(nodule.slices, "134055", "NODULE", "Lung nodule, marked for the clinician", LUNG, nodule.area, "LUNG", "IDENTITY")
    _layer(ds, "FINDING", "What the report describes")
    x, y, radius = nodule.column, nodule.row, nodule.radius
    # From below, where the lung is dark behind arrow and words; the tip ends short of the circle.
    tip = (x, y + radius + 2)
    tail = (x, tip[1] + 18)
    points = [tail, tip, (tip[0] - 3, tip[1] + 5), tip, (tip[0] + 3, tip[1] + 5)]
    text = common.item(
        BoundingBoxAnnotationUnits="PIXEL", UnformattedTextValue=f"{round(nodule.told['diameter'])} mm nodule",
        BoundingBoxTopLeftHandCorner=[tail[0] - 32, tail[1] + 2],
        BoundingBoxBottomRightHandCorner=[tail[0] + 32, tail[1] + 12],
        BoundingBoxTextHorizontalJustification="CENTER")
    middle = nodule.slices[0]
    ds.GraphicAnnotationSequence = [common.item(
        ReferencedImageSequence=[key_objects.reference(middle.SOPClassUID, middle.SOPInstanceUID)], GraphicLayer="FINDING",
        TextObjectSequence=[text],
        GraphicObjectSequence=[_drawn("CIRCLE", [(x, y), (x + radius, y)]), _drawn("POLYLINE", points)])]
    return ds


def _pr_ct_chest_truth(seed):
    nodule = _Nodule(seed)
    return {"images": "ct_chest", "instances": [str(ds.SOPInstanceUID) for ds in nodule.slices], "window": LUNG,
            "area": nodule.area, "nodule": (nodule.column, nodule.row, nodule.radius), "flip": False, "rotation": 0,
            "shape": "IDENTITY"}


def _chest(seed):
    from coursekit.hospital import images

    return images.image("cr_chest_pa", seed)


def _pr_cr_chest(seed):
    chest = _chest(seed)
    ds = _state([chest], "071210", "SURGEON", "Mirrored: as seen from the back", CHEST, (chest.Columns, 1, 1, chest.Rows),
                "CHEST", "INVERSE")
    ds.ImageRotation, ds.ImageHorizontalFlip = 0, "Y"  # the rotation, clockwise, comes first
    _layer(ds, "VIEW", "How to look at the picture")
    # In units of DISPLAY the text stays where it is and legible; what is in PIXEL is mirrored with the image.
    text = common.item(BoundingBoxAnnotationUnits="DISPLAY", UnformattedTextValue=BACK,
                       BoundingBoxTopLeftHandCorner=[0.3125, 0.015625], BoundingBoxBottomRightHandCorner=[0.6875, 0.0625],
                       BoundingBoxTextHorizontalJustification="CENTER")
    ds.GraphicAnnotationSequence = [common.item(GraphicLayer="VIEW", TextObjectSequence=[text])]
    return ds


def _pr_cr_chest_truth(seed):
    chest = _chest(seed)
    return {"images": "cr_chest_pa", "instances": [str(chest.SOPInstanceUID)], "window": CHEST,
            "area": (chest.Columns, 1, 1, chest.Rows), "flip": True, "rotation": 0, "shape": "INVERSE"}


IMAGES = {"pr_ct_chest": _pr_ct_chest, "pr_cr_chest": _pr_cr_chest}
TRUTH = {"pr_ct_chest": _pr_ct_chest_truth, "pr_cr_chest": _pr_cr_chest_truth}
