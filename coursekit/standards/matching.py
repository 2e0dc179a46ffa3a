"""Which items match the keys of a query: the attribute matching of DICOM (PS3.4 section C.2.2.2), for archives and worklists.

Everything works on pydicom Datasets, whose texts are decoded already.
"""

import fnmatch
import re

RANGES = {"DA", "TM", "DT"}
# PS3.4 C.2.2.2.4: wildcards mean something in these alone.
WILDCARDS = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}
NO_KEYS = {"SpecificCharacterSet", "QueryRetrieveLevel", "TimezoneOffsetFromUTC"}


def matches(item, keys, fits=None):
    """Whether `item`, a Dataset, fits all the keys of the Dataset `keys`.

    fits : a function of a VR and two texts, the value and the key, that judges each key that is no sequence in place of this module;
           "" is what is empty or absent, several values have a backslash between
    """
    return all(_fits(item.get(element.tag), element, fits) for element in keys if element.keyword not in NO_KEYS)


def _fits(element, key, fits):
    if key.VR == "SQ":
        return _sequence_fits(element, key, fits)
    if fits is not None:
        value, wanted = ("" if one is None or one.is_empty else "\\".join(_texts(one)) for one in (element, key))
        return bool(fits(key.VR, value, wanted))
    if key.is_empty:
        return True                                                     # universal matching, C.2.2.2.3
    wanted = _texts(key)
    if key.VR in WILDCARDS and len(wanted) == 1 and not wanted[0].strip("*"):
        return True                                                     # "*" alone is universal too, C.2.2.2.4
    if element is None or element.is_empty:
        return False
    found = _texts(element)
    if key.VR == "UI":
        return any(one in wanted for one in found)                      # a list of UIDs, C.2.2.2.2
    return any(_value_fits(one, key.VR, text) for one in found for text in wanted)


def _sequence_fits(element, key, fits):
    """C.2.2.2.6: one item of the object's sequence must fit all keys of the key's only item."""
    if not key.value:
        return True
    keys = key.value[0]
    items = element.value if element is not None and element.VR == "SQ" else []
    return any(matches(item, keys, fits) for item in items) or _asks_nothing(keys)


def _asks_nothing(keys):
    return all((not element.value or _asks_nothing(element.value[0])) if element.VR == "SQ" else element.is_empty for element in keys)


def _texts(element):
    value = element.value
    many = value if element.VM > 1 else [value]
    return [str(one).strip(" \0") for one in many]


def _value_fits(found, vr, wanted):
    if vr in RANGES:
        return _in_range(found, vr, wanted)
    if vr == "PN":
        return _name_fits(found, wanted)
    if vr in WILDCARDS and ("*" in wanted or "?" in wanted):
        return re.fullmatch(_pattern(wanted), found, re.DOTALL) is not None
    if vr in ("IS", "DS"):
        try:
            return float(found) == float(wanted)
        except ValueError:
            return False
    return found == wanted


def _pattern(wanted):
    """The regular expression of a wildcard text, in which square brackets mean nothing."""
    return fnmatch.translate(wanted.replace("[", "[[]"))


def _name_fits(found, wanted):
    """A person's name, in either case; a key without '=' may fit any component group (PS3.5 section 6.2.1)."""
    wanted = wanted.casefold().rstrip("^=") if "*" not in wanted else wanted.casefold()
    groups = [found] + (found.split("=") if "=" not in wanted else [])
    return any(re.fullmatch(_pattern(wanted), group.casefold().rstrip("^="), re.DOTALL) for group in groups if group)


def _in_range(found, vr, wanted):
    """C.2.2.2.5. A time without seconds stands for its whole minute at the end of a range, for its beginning elsewhere."""
    text = found.replace(".", "").replace(":", "") if vr == "DA" else found.replace(":", "")
    low, dash, high = _split_range(wanted, vr)
    if not dash:
        return _filled(text, vr, "0") == _filled(low, vr, "0")
    value = _filled(text, vr, "0")
    return (not low or value >= _filled(low, vr, "0")) and (not high or value <= _filled(high, vr, "9"))


def _split_range(wanted, vr):
    if vr == "DT":                                      # the dash of a time zone is no range: -HHMM at the end of a part
        found = re.fullmatch(r"(\d[\d.]*(?:[+-]\d{4})?)?-(\d[\d.]*(?:[+-]\d{4})?)?", wanted)
        if found and not re.fullmatch(r"\d[\d.]*-\d{4}", wanted):
            return found[1] or "", "-", found[2] or ""
        return wanted, "", ""
    clean = wanted.replace(":", "") if vr == "TM" else wanted.replace(".", "")
    return clean.partition("-")


def _filled(text, vr, digit):
    """The value in full length, so that texts compare as times do."""
    text = re.sub(r"[+-]\d{4}$", "", text.strip()) if vr == "DT" else text.strip()
    if vr == "DA":
        return text.ljust(8, digit)
    whole, _, fraction = text.partition(".")
    return f"{whole.ljust(14 if vr == 'DT' else 6, digit)}.{fraction.ljust(6, digit)}"


def answer(item, keys):
    """What to return of `item`: the attributes that `keys` ask for, in a new Dataset; those that it lacks are empty."""
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    returned = Dataset()
    for key in keys:
        if key.keyword in NO_KEYS or key.tag.element == 0:
            continue
        element = item.get(key.tag)
        if element is None:
            returned.add(DataElement(key.tag, key.VR, Sequence() if key.VR == "SQ" else None))
        elif key.VR == "SQ" and key.value and len(key.value[0]):
            returned.add(DataElement(key.tag, "SQ", Sequence(answer(one, key.value[0]) for one in element.value)))
        else:
            returned.add(element)
    return returned


def supported(keys, known):
    """The keys of a query that a service supports, and whether all are: (Dataset, bool).

    known : dict from keyword to None, or for a sequence to such a dict of what its item may ask

    An optional key that is not supported neither restricts the answers nor comes back in them; they are then pending with FF01H (PS3.4
    C.4.1.1.4, C.4.1.2.1, K.4.1.1.4).
    """
    from pydicom.dataset import Dataset

    found, complete = Dataset(), True
    for element in keys:
        if element.keyword in NO_KEYS or element.tag.element == 0:
            continue
        inner = known.get(element.keyword)
        if element.keyword not in known or (element.VR == "SQ") != (inner is not None):
            complete = False
        elif inner:
            pairs = [supported(item, inner) for item in element.value]
            setattr(found, element.keyword, [dataset for dataset, _ in pairs])
            complete = complete and all(whole for _, whole in pairs)
        else:
            found[element.tag] = element
    return found, complete
