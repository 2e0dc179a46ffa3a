"""Key object selections put together (PS3.3 A.35.4 and C.17, PS3.16 TID 2010): documents that point at objects, manifests among them."""

from coursekit.standards.objects import code, item

KO_STORAGE = "1.2.840.10008.5.1.4.1.1.88.59"
SR_CLASSES = "1.2.840.10008.5.1.4.1.1.88."
MANIFEST = ("113030", "Manifest")


def reference(sop_class, instance):
    """An item that points at an object: its SOP Class and SOP Instance UID."""
    return item(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=instance)


def evidence(study, series, **of_series):
    """An item of a sequence of evidence: the Hierarchical SOP Instance Reference macro (PS3.3 C.17.2.1).

    study     : Study Instance UID
    series    : {Series Instance UID: [(SOP Class UID, SOP Instance UID)]}
    of_series : what else an item of a series says, by keyword
    """
    return item(StudyInstanceUID=study, ReferencedSeriesSequence=[
        item(SeriesInstanceUID=uid, ReferencedSOPSequence=[reference(*one) for one in objects], **of_series)
        for uid, objects in series.items()])


def _dcm(value, meaning):
    return code(value, "DCM", meaning)


def _content(relation, kind, **elements):
    return item(RelationshipType=relation, ValueType=kind, **elements)


def person(name):
    """TID 1002 and 1003: who selected."""
    context = "HAS OBS CONTEXT"
    return [
        _content(context, "CODE", ConceptNameCodeSequence=[_dcm("121005", "Observer Type")],
                 ConceptCodeSequence=[_dcm("121006", "Person")]),
        _content(context, "PNAME", ConceptNameCodeSequence=[_dcm("121008", "Person Observer Name")], PersonName=name),
    ]


def device(name, uid):
    """TID 1002 and 1004: the system that selected."""
    context = "HAS OBS CONTEXT"
    return [
        _content(context, "CODE", ConceptNameCodeSequence=[_dcm("121005", "Observer Type")],
                 ConceptCodeSequence=[_dcm("121007", "Device")]),
        _content(context, "UIDREF", ConceptNameCodeSequence=[_dcm("121012", "Device Observer UID")], UID=uid),
        _content(context, "TEXT", ConceptNameCodeSequence=[_dcm("121013", "Device Observer Name")], TextValue=name),
    ]


def fill(ds, title, observer, description, study, series, modifier=None, **of_series):
    """The document itself: who selected what under which `title`, with the evidence. Arguments as in ``evidence``."""
    ds.Modality, ds.ReferencedPerformedProcedureStepSequence = "KO", []
    ds.InstanceNumber = 1
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = [_dcm(*title)]
    ds.ContentTemplateSequence = [item(MappingResource="DCMR", TemplateIdentifier="2010")]
    content = []
    if modifier:
        content.append(_content("HAS CONCEPT MOD", "CODE", ConceptNameCodeSequence=[_dcm("113011", "Document Title Modifier")],
                                ConceptCodeSequence=[_dcm(*modifier)]))
    content += observer
    if description:
        content.append(_content("CONTAINS", "TEXT", ConceptNameCodeSequence=[_dcm("113012", "Key Object Description")],
                                TextValue=description))
    for objects in series.values():
        for sop_class, instance in objects:
            # What has no pixels, as a report, is no image to SR either.
            kind = "COMPOSITE" if sop_class.startswith(SR_CLASSES) else "IMAGE"
            content.append(_content("CONTAINS", kind, ReferencedSOPSequence=[reference(sop_class, instance)]))
    ds.ContentSequence = content
    ds.CurrentRequestedProcedureEvidenceSequence = [evidence(study, series, **of_series)]
