"""Tags and UIDs in the forms in which people write them, turned into the one form in which they are compared."""

import re


_FOUR = "a tag is two groups of four hex digits each, such as (0010,0010)"
_SEVERAL = "one tag is asked, and here are several"
_QUOTES = "'\"`\u2018\u2019\u201c\u201d "


def tag(value):
    """A tag as "(gggg,eeee)", lower-case hex, from any usual way to write exactly one.

    value : "(0010,0010)", "0010,0010", "00100010", "0x00100010", 0x00100010, (0x0010, 0x0010), a pydicom tag or data
            element, the keyword "PatientName" or the name "Patient's Name", or tag and name side by side if they agree, or a tag
            before its value: "(0008,0060) = CT", "(0008,0060): CT", "(0008,0060) CS CT"

    Raises ValueError with a sentence when it's none of these.
    """
    element = getattr(value, "tag", None)
    if element is not None:
        value = element
    if isinstance(value, bool):
        raise ValueError(_FOUR)
    if isinstance(value, int):
        return _from_numbers(value >> 16, value & 0xFFFF)
    if isinstance(value, (tuple, list)):
        return _from_parts(value)
    if not isinstance(value, str):
        raise ValueError(_FOUR)
    text = value.replace("\0", " ").strip().strip(_QUOTES)
    if not text:
        raise ValueError("it is empty")
    found = _from_hex(text) or _from_name(text) or _from_both(text)
    if not found:
        raise ValueError(_why_no_tag(text))
    return found


def _from_numbers(group, number):
    if not all(type(part) is int and 0 <= part <= 0xFFFF for part in (group, number)):
        raise ValueError("group and element of a tag lie between 0000 and FFFF")
    return f"({group:04x},{number:04x})"


def _from_parts(parts):
    """The tag of a group and an element: numbers, or text of four hex digits each."""
    if len(parts) > 1 and all(type(part) is int and part > 0xFFFF or isinstance(part, str) and _from_hex(part.strip()) for part in parts):
        raise ValueError(_SEVERAL)
    if len(parts) != 2:
        raise ValueError("a tag has two parts, the group and the element, such as (0010,0010)")
    if any(isinstance(part, str) and not re.fullmatch(rf"\s*{_HALF}\s*", part, re.IGNORECASE) for part in parts):
        raise ValueError(_FOUR)
    return _from_numbers(*(int(part.strip(), 16) if isinstance(part, str) else part for part in parts))


_HALF = "(?:0x)?([0-9a-f]{4})"
_PAIR = rf"[(\[<{{]?\s*{_HALF}\s*[,;:|/ \-]\s*{_HALF}\s*[)\]>}}]?"
_EIGHT = r"[(\[<]?\s*(?:0x)?([0-9a-f]{4})([0-9a-f]{4})\s*[)\]>]?"
_COMMA = rf"[(\[]?\s*{_HALF}\s*,\s*{_HALF}\s*[)\]]?"


def _from_hex(text):
    """The tag that the text, as a whole, writes in hex digits; None when it doesn't."""
    found = re.fullmatch(_PAIR, text, re.IGNORECASE) or re.fullmatch(_EIGHT, text, re.IGNORECASE)
    return found and _from_numbers(int(found[1], 16), int(found[2], 16))


def _from_name(text):
    """The tag of a keyword or name; None when the standard's dictionary hasn't got it."""
    from pydicom.datadict import tag_for_keyword

    number = tag_for_keyword(text)
    if number is None:
        number = _tags_by_name().get(_letters(text))
    return None if number is None else _from_numbers(number >> 16, number & 0xFFFF)


def _from_both(text):
    """The tag with its name beside it: "(0028,0010) Rows", "Rows (0028,0010)", or a line as pydicom prints it."""
    before = re.fullmatch(rf"({_COMMA})\s*(.+)", text, re.IGNORECASE | re.DOTALL)
    after = re.fullmatch(rf"([^()\[\]]*[^()\[\]\s])\s*([(\[]\s*{_HALF}\s*,\s*{_HALF}\s*[)\]])", text, re.IGNORECASE)
    if not (before or after):
        return None
    written, name = (before[1], before[4]) if before else (after[2], after[1])
    name = re.sub(r"\s+[A-Z]{2}( or [A-Z]{2})*\s*:.*", "", name, flags=re.DOTALL).strip(_QUOTES)  # the VR and the value
    found = _from_hex(written)
    if before and _is_value(before[4], found):
        return found
    private = int(found[1:5], 16) % 2 == 1
    if private and re.fullmatch(r"\[[^\[\]]*\]|private (creator|tag data)", name, re.IGNORECASE):
        return found
    return found if _from_name(name) == found else None


def _is_value(text, found):
    """Whether what stands behind the tag `found` is its value, behind a sign or a VR, and not the name or tag of another attribute."""
    from pydicom.valuerep import VR

    behind = re.fullmatch(r"(?:[:=]\s*|([A-Z]{2})\b[\s:=]*)(.*)", text, re.DOTALL)
    if not behind or behind[1] and behind[1] not in VR.__members__ or re.search(_COMMA, behind[2], re.IGNORECASE):
        return False
    value = behind[2].strip(_QUOTES)
    return not value or _from_name(value) in (None, found)


def _why_no_tag(text):
    """A sentence for a text that `tag` can't read."""
    if len(re.findall(rf"(?<![0-9a-z.]){_HALF}[,;:|/-]?\s*{_HALF}(?![0-9a-z.])", text, re.IGNORECASE)) > 1:
        return _SEVERAL
    parts = [part for part in re.split(r"[,;/&\n]|\bor\b|\band\b", text) if part.strip()]
    if len(parts) > 1 and all(_from_hex(part.strip()) or _from_name(part.strip()) for part in parts):
        return _SEVERAL
    if re.fullmatch(r"[0-9]+(\.[0-9]+){2,}", text) or _letters(text) in _uids_by_name():
        return "that is a UID or the name of one, the value that an element holds; a tag is two groups of four hex digits"
    if re.fullmatch(r"[(\[<{]?[\s0-9a-fx]+([,;:|/-][\s0-9a-fx]+)?[)\]>}]?", text, re.IGNORECASE) and re.search(r"[0-9]", text):
        return _FOUR
    if re.search(_COMMA, text, re.IGNORECASE):
        return "beside the tag stands something that is not its name; give the tag alone"
    return "that is neither a tag, such as (0010,0010), nor the name or keyword of an attribute that the standard knows"


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
