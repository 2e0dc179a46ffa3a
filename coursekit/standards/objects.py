"""DICOM objects: items and codes put together, and what an object says, attribute by attribute, for comparing one with another."""

import hashlib
import io


def code(value, scheme, meaning):
    """One item of a code sequence: Code Value, Coding Scheme Designator, Code Meaning."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def item(**elements):
    """A sequence item, or any data set, of `elements` by keyword."""
    from pydicom.dataset import Dataset

    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


def attributes(contents):
    """What each of some DICOM objects says, after it has been written into a file and read again.

    contents : list of pydicom Datasets, or of bytes of DICOM files
    Returns {"the object with Instance Number 3": {"Patient ID (0010,0020)": "HV100234", ...}}. Attributes of sequence items
    have the sequence before them, "Original Attributes Sequence (0400,0561) item 1 > ..."; pixel data and other binary values
    are told by a digest, empty values as "". The file meta information and group lengths are left out: they follow.

    Raises ValueError with a sentence for what is no DICOM object, cannot be written, or is there twice.
    """
    found = {}
    for content in contents:
        ds = _read_again(content)
        name = _named(ds)
        if name in found:
            raise ValueError(f"{name} is there twice")
        found[name] = dict(_parts(ds, ""))
    return found


def _read_again(content):
    """The Dataset that a file of `content` holds."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    if type(content) is bytes:
        data = content
    elif issubclass(type(content), pydicom.Dataset):
        data = _written(content)
    else:
        raise ValueError("what you gave is no DICOM object: give data sets, files or bytes")
    try:
        ds = pydicom.dcmread(io.BytesIO(data))
        for element in ds.iterall():
            element.value                           # a value that can't be decoded raises here and not later
    except InvalidDicomError:
        raise ValueError("a file is no DICOM file: after the preamble of 128 bytes it has no DICM") from None
    except Exception as problem:
        raise ValueError(f"a file can't be read as DICOM: {problem}") from None
    return ds


def _written(ds):
    import pydicom

    file = io.BytesIO()
    try:
        pydicom.Dataset.save_as(ds, file, enforce_file_format=True)
    except Exception as problem:
        text = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise ValueError(f"an object can't be written into a file: {text}") from None
    return file.getvalue()


def _named(ds):
    number = ds.get("InstanceNumber")
    if number is not None and str(number):
        return f"the object with Instance Number {number}"
    return f"the object of modality {ds.get('Modality', '?')}"


def _parts(ds, before):
    """(name, value) of each attribute."""
    from pydicom.datadict import dictionary_description, dictionary_has_tag

    for element in ds:
        tag = f"({element.tag.group:04X},{element.tag.element:04X})"
        if element.tag.element == 0:
            continue
        name = before + (f"{dictionary_description(element.tag)} {tag}" if dictionary_has_tag(element.tag) else f"element {tag}")
        if element.VR == "SQ":
            yield name, f"{len(element.value)} items"
            for number, item in enumerate(element.value, 1):
                yield from _parts(item, f"{name} item {number} > ")
        elif isinstance(element.value, bytes):
            yield name, hashlib.sha256(element.value).hexdigest()
        else:
            yield name, _text(element.value)


def _text(value):
    """A value as text: padding removed, components of a name that are empty at its end too."""
    from pydicom.multival import MultiValue
    from pydicom.valuerep import PersonName

    if isinstance(value, MultiValue):
        return "\\".join(map(_text, value))
    if isinstance(value, PersonName):
        return "=".join(group.rstrip("^ ") for group in str(value).split("=")).rstrip("=")
    return "" if value is None else str(value).strip(" \0")
