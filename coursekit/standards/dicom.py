"""Tags and UIDs in the forms in which people write them, turned into the one form in which they are compared."""

import re


def tag(value):
    """A tag as "(gggg,eeee)", lower-case hex, from any usual way to write it.

    value : "(0010,0010)", "0010,0010", "00100010", "0x00100010", 0x00100010, (0x0010, 0x0010), a pydicom tag or data
            element, the keyword "PatientName" or the name "Patient's Name"

    Raises ValueError when it's none of these.
    """
    element = getattr(value, "tag", None)
    if element is not None:
        value = element
    if isinstance(value, bool):
        raise ValueError("a tag is two groups of four hex digits, such as (0010,0010)")
    if isinstance(value, int):
        return _from_numbers(value >> 16, value & 0xFFFF)
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise ValueError("a tag has two parts, the group and the element, such as (0010,0010)")
        group, number = (int(part.strip(), 16) if isinstance(part, str) else part for part in value)
        return _from_numbers(group, number)
    if not isinstance(value, str):
        raise ValueError("a tag is two groups of four hex digits, such as (0010,0010)")
    text = value.replace("\0", " ").strip().strip("'\"` ").strip()
    if not text:
        raise ValueError("it is empty")
    return _from_hex(text) or _from_name(text)


def _from_numbers(group, number):
    if not (isinstance(group, int) and isinstance(number, int) and 0 <= group <= 0xFFFF and 0 <= number <= 0xFFFF):
        raise ValueError("group and element of a tag lie between 0000 and FFFF")
    return f"({group:04x},{number:04x})"


def _from_hex(text):
    """The tag that a hex form means, or None when the text has no such form."""
    hexes = r"(?:0x)?([0-9a-f]{1,4})"
    two = re.fullmatch(rf"[(\[<{{]?\s*{hexes}\s*[,;:|/ \-]\s*{hexes}\s*[)\]>}}]?", text, re.IGNORECASE)
    one = re.fullmatch(r"[(\[<{]?\s*(?:0x)?([0-9a-f]{4})([0-9a-f]{4})\s*[)\]>}]?", text, re.IGNORECASE)
    # A name beside the tag, as tools print it: "(0028,0010) Rows".
    named = re.match(r"[(\[]\s*([0-9a-f]{4})\s*,\s*([0-9a-f]{4})\s*[)\]]\s+\S", text, re.IGNORECASE)
    found = two or one or named
    return found and _from_numbers(int(found[1], 16), int(found[2], 16))


def _from_name(text):
    from pydicom.datadict import tag_for_keyword

    number = tag_for_keyword(text)
    if number is None:
        number = _tags_by_name().get(_letters(text))
    if number is None:
        raise ValueError(
            "that is neither a tag, such as (0010,0010), nor the name or keyword of an attribute that the standard knows"
        )
    return tag(int(number))


def _letters(text):
    return re.sub(r"'s\b|[^a-z0-9]", "", text.lower().replace("\u2019", "'"))


_names = {}


def _tags_by_name():
    """Dict from each attribute's keyword and name, letters and digits only, to its tag; current attributes win over retired ones."""
    if not _names:
        from pydicom.datadict import DicomDictionary

        for number, (_, _, name, retired, keyword) in DicomDictionary.items():
            for written in (_letters(keyword), _letters(name)):
                if written and (not retired or written not in _names):
                    _names[written] = number
    return _names


def uid(value):
    """A UID as its dotted digits, from the UID with padding or the name or keyword of a well-known one.

    value : "1.2.840.10008.1.2.1", with blanks or NULs around it, "ExplicitVRLittleEndian", "Explicit VR Little Endian",
            "CT Image Storage", a pydicom UID

    Raises ValueError when it's none of these or breaks the rules of PS3.5 section 9.1.
    """
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    if not isinstance(value, str):
        raise ValueError("a UID is text: digits and dots, such as 1.2.840.10008.1.2")
    text = value.replace("\0", " ").strip().strip("'\"`<>[]= ").strip()
    if not text:
        raise ValueError("it is empty")
    if not re.fullmatch(r"[0-9.\s]+", text):
        known = _uids_by_name().get(_letters(text))
        if known is None:
            raise ValueError("a UID holds digits and dots only, and no well-known UID has this name")
        return known
    if re.search(r"\s", text):
        raise ValueError("a UID has no blanks inside")
    if len(text) > 64:
        raise ValueError(f"a UID has at most 64 characters; this one has {len(text)}")
    if not re.fullmatch(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+", text):
        raise ValueError("the parts of a UID are numbers without leading zeros, with one dot between two of them")
    return text


_uid_names = {}


def _uids_by_name():
    if not _uid_names:
        from pydicom._uid_dict import UID_dictionary

        for number, (name, _, _, retired, keyword) in UID_dictionary.items():
            brief = name.split(":")[0].split("(")[0]  # "Implicit VR Little Endian: Default Transfer Syntax for DICOM"
            for written in (_letters(keyword), _letters(name), _letters(brief)):
                if written and (not retired or written not in _uid_names):
                    _uid_names.setdefault(written, number) if retired else _uid_names.update({written: number})
    return _uid_names
