"""Series, instances and stored files: what the devices sent for each exam."""

import hashlib

import numpy as np

from coursekit.hospital import clock, exams, world
from coursekit.hospital.catalogue import (
    BODY_PART_DIRT,
    EXPLICIT,
    OTHER_BODY_PART_DIRT,
    PROCEDURES,
    SOP_CLASSES,
    STORAGE,
    TRANSFER_SYNTAXES,
)
from coursekit.hospital.clock import DAY, HOUR, NOW_UTC
from coursekit.hospital.draws import Draws

# Series numbers: images from 1, the rest from a hundred of their own.
HUNDREDS = {"SR": 500, "OT": 600, "PR": 700, "KO": 800}
# OCT1 called its images OCT until its software was replaced.
OCT_UPGRADE = clock.seconds("2025-03-17 06:00:00")
KEPT_DAYS, KEPT_UNVERIFIED_DAYS = 4, 10


def present(draws, slot, force, count):
    """Which of `count` studies have the series `slot`; `force` holds what the planted ones must have."""
    there = draws.happens(slot.permille, count)
    if slot.modality in HUNDREDS:
        there &= force != exams.PLAIN
        if slot.modality == "SR":
            there |= np.isin(force, (exams.REVERSED, exams.FULL, exams.IN_ORDER))
        elif slot.modality == "OT":
            there = (there & ~np.isin(force, (exams.REVERSED, exams.IN_ORDER))) | (force == exams.FULL)
        else:
            there &= force == exams.FREE
    return there


def body_part_sent(draws, body_part, count):
    """Body Part Examined as the device wrote it: an object array."""
    sent = np.full(count, body_part, dtype=object)
    if body_part is not None:
        dirt = BODY_PART_DIRT.get(body_part, OTHER_BODY_PART_DIRT)
        which = draws.choose([share for share, _ in dirt] + [1000 - sum(share for share, _ in dirt)], count)
        for place, (_, text) in enumerate(dirt):
            sent[which == place] = text
    return sent


def series_of(seed, plan, empty):
    """All series, in order of exam and arrival: a dict of arrays; and Modalities in Study of each exam (a list).

    `slot_kind` is the SOP class key of the catalogue, `bytes_each` the size of one instance.
    """
    draws = Draws(seed, "series")
    count = len(plan["utc"])
    has_images = np.ones(count, dtype=bool)
    has_images[empty] = False
    late_oct = plan["created"] >= OCT_UPGRADE
    reverse = draws.happens(250, count)
    reverse[plan["force"] == exams.REVERSED] = True
    reverse[np.isin(plan["force"], (exams.IN_ORDER, exams.FULL))] = False
    mods = np.full(count, None, dtype=object)
    parts = []
    for place, procedure in enumerate(PROCEDURES):
        here = np.flatnonzero(plan["procedure"] == place)
        mods[here] = procedure.modality
        here = here[has_images[here]]
        force = plan["force"][here]
        body_part = body_part_sent(draws, procedure.body_part, len(here))
        side = np.full(len(here), None, dtype=object)
        if procedure.sided:
            side[:] = np.array(["R", "L", None], dtype=object)[draws.choose((47, 45, 8), len(here))]
        held = np.zeros(len(here), dtype=np.int64)
        for number, slot in enumerate(procedure.slots):
            there = present(draws, slot, force, len(here))
            held[there] |= 1 << number
            some = here[there]
            amount = draws.between(slot.low, slot.high, len(some))
            made_later = slot.modality in ("PR", "KO")
            delay = draws.between(HOUR, 20 * HOUR, len(some)) if made_later else 30 * number
            modality = np.full(len(some), slot.modality, dtype=object)
            if slot.modality == "IVOCT":
                modality[~late_oct[some]] = "OCT"
            sender = plan["device"][some].copy()
            if made_later:
                sender[sender >= 0] = exams.DEVICE["WS_MG1" if procedure.modality == "MG" else "WS_CH1"]
            parts.append({
                "exam": some, "number": np.full(len(some), HUNDREDS.get(slot.modality, 0) + number + 1),
                "modality": modality, "description": np.full(len(some), slot.description, dtype=object),
                "body_part": np.full(len(some), None, dtype=object) if slot.modality in HUNDREDS else body_part[there],
                "laterality": np.full(len(some), None, dtype=object) if slot.modality in HUNDREDS else side[there],
                "sender": sender, "amount": amount, "bytes_each": np.full(len(some), slot.bytes_each),
                "slot_kind": np.full(len(some), slot.kind or slot.modality, dtype=object),
                "created": np.minimum(plan["created"][some] + delay, np.maximum(NOW_UTC - 60, plan["created"][some])),
            })
        mods[here] = mods_in_study(procedure, held, reverse[here], late_oct[here])
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort((columns["number"], columns["exam"]))
    return {name: values[order] for name, values in columns.items()}, mods.tolist()


def mods_in_study(procedure, held, reverse, late_oct):
    """Modalities in Study for exams of one procedure, from the bits of the series they hold: an object array."""
    keys = held * 4 + reverse * 2 + late_oct
    kinds, place = np.unique(keys, return_inverse=True)
    texts = []
    for key in kinds.tolist():
        found = []
        for number, slot in enumerate(procedure.slots):
            modality = slot.modality if slot.modality != "IVOCT" or key & 1 else "OCT"
            if key >> 2 >> number & 1 and modality not in found:
                found.append(modality)
        texts.append("\\".join(reversed(found) if key & 2 else found))
    return np.array(texts, dtype=object)[place]


def kept(plan, unverified):
    """Which exams the archive still has instance records of: a boolean array."""
    keep = plan["created"] > NOW_UTC - KEPT_DAYS * DAY
    keep[unverified] |= plan["created"][unverified] > NOW_UTC - KEPT_UNVERIFIED_DAYS * DAY
    return keep


def instances_of(series, keep):
    """Instances of the exams that are kept: arrays `series` (position), `number` within it, `created`."""
    held = np.flatnonzero(keep[series["exam"]])
    amounts = series["amount"][held]
    of_series = np.repeat(held, amounts)
    number = np.arange(len(of_series)) - np.repeat(np.cumsum(amounts) - amounts, amounts) + 1
    created = series["created"][of_series]
    return {"series": of_series, "number": number,
            "created": np.minimum(created + (number - 1) // 8, np.maximum(NOW_UTC - 30, created))}


def instance_rows(series, instances, series_uids):
    """The rows of table instance, given the UID of each instance's series: a dict of lists."""
    classes = [STORAGE + SOP_CLASSES[kind] for kind in series["slot_kind"][instances["series"]].tolist()]
    number = instances["number"].tolist()
    return {
        "series_pk": (instances["series"] + 1).tolist(),
        "sop_uid": [f"{uid}.{count}" for uid, count in zip(series_uids, number)],
        "sop_class_uid": classes, "instance_no": number, "created_utc": clock.text(instances["created"]),
        "rejected_code": [None] * len(number),
    }


def file_rows(series, instances, online, copied, sop_uids):
    """The rows of table file, a dict of lists: instances at `online`, then second copies of those at `copied`."""
    places = np.concatenate((online, copied))
    in_series = instances["series"][places]
    days = [text[:10].replace("-", "/") for text in clock.text(instances["created"][places])]
    kinds = series["slot_kind"][in_series].tolist()
    folders = zip(days, (series["exam"][in_series] + 1).tolist(), series["number"][in_series].tolist(),
                  instances["number"][places].tolist())
    return {
        "instance_pk": (places + 1).tolist(),
        "filesystem_pk": [world.ONLINE] * len(online) + [world.NEARLINE] * len(copied),
        "path": [f"{day}/{study}/{folder}/{number}.dcm" for day, study, folder, number in folders],
        "size_bytes": series["bytes_each"][in_series].tolist(),
        "ts_uid": [TRANSFER_SYNTAXES.get(kind, EXPLICIT) for kind in kinds],
        "sha256": [hashlib.sha256(sop_uids[place].encode("ascii")).hexdigest() for place in places.tolist()],
        "status": ["OK"] * len(places),
    }
