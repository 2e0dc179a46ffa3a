"""Series, instances and stored files: what the devices sent for each exam."""

import hashlib

import numpy as np

from coursekit.hospital import clock, exams, story, world
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
KEPT_DAYS, KEPT_UNVERIFIED_DAYS = 2, 9

# Every series that the catalogue knows of: (procedure, its number, slot); what OCT1 called OCT comes last.
SLOTS = [(place, HUNDREDS.get(slot.modality, 0) + number, slot) for place, procedure in enumerate(PROCEDURES)
         for number, slot in enumerate(procedure.slots, 1)]
SLOTS += [(place, number, slot._replace(modality="OCT", kind=slot.modality)) for place, number, slot in SLOTS
          if slot.modality == "IVOCT"]
NO_IMAGES = [place for place, (_, _, slot) in enumerate(SLOTS) if slot.modality in ("SR", "PR", "KO")]
NUMBERS = np.array([number for _, number, _ in SLOTS])
# Of millions of series, each column takes no more room than its values need.
TYPES = {"exam": np.int32, "slot": np.int16, "sender": np.int16, "amount": np.int32, "body_part": np.int8, "side": np.int8,
         "created": np.int64}
SIZES = np.array([slot.bytes_each for _, _, slot in SLOTS])
BODY_PARTS = sorted({procedure.body_part for procedure in PROCEDURES if procedure.body_part}
                    | {text for dirt in BODY_PART_DIRT.values() for _, text in dirt if text}) + [None]
SIDES = ["R", "L", None]
# Who sends: our devices, then the one of the partner clinic for each procedure.
SENDERS = [device[0] for device in world.DEVICES] + [f"ECC_{procedure.modality}1" for procedure in PROCEDURES]
CLASSES = np.array([STORAGE + SOP_CLASSES[slot.kind or slot.modality] for _, _, slot in SLOTS], dtype=object)
SYNTAXES = np.array([TRANSFER_SYNTAXES.get(slot.kind or slot.modality, EXPLICIT) for _, _, slot in SLOTS], dtype=object)


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
    """Body Part Examined as the device wrote it: an array of positions in BODY_PARTS."""
    sent = np.full(count, BODY_PARTS.index(body_part), dtype=np.int8)
    if body_part is not None:
        dirt = BODY_PART_DIRT.get(body_part, OTHER_BODY_PART_DIRT)
        which = draws.choose([share for share, _ in dirt] + [1000 - sum(share for share, _ in dirt)], count)
        for place, (_, text) in enumerate(dirt):
            sent[which == place] = BODY_PARTS.index(text)
    return sent


def series_of(seed, plan, empty):
    """All series, in order of exam and number: a dict of arrays; and Modalities in Study: a position for each exam, texts.

    In the arrays `slot`, `body_part`, `side` and `sender` are positions in SLOTS, BODY_PARTS, SIDES and SENDERS.
    """
    draws = Draws(seed, "series")
    count = len(plan["utc"])
    has_images = np.ones(count, dtype=bool)
    has_images[empty] = False
    late_oct = plan["created"] >= OCT_UPGRADE
    reverse = draws.happens(250, count)
    reverse[plan["force"] == exams.REVERSED] = True
    reverse[np.isin(plan["force"], (exams.IN_ORDER, exams.FULL))] = False
    mods, texts = np.empty(count, dtype=np.int64), []
    parts, slots = [], 0
    for place, procedure in enumerate(PROCEDURES):
        here = np.flatnonzero(plan["procedure"] == place)
        mods[here] = len(texts)
        texts.append(procedure.modality)
        here = here[has_images[here]]
        force = plan["force"][here]
        body_part = body_part_sent(draws, procedure.body_part, len(here))
        # Where the wrong entry of the worklist was chosen, the body part tells: the device took it from its own protocol.
        body_part[np.isin(plan["tag"][here], (exams.TAG["wrong order"], exams.TAG["wrong patient"]))] = BODY_PARTS.index(procedure.body_part)
        side = (draws.choose((47, 45, 8), len(here)) if procedure.sided else np.full(len(here), SIDES.index(None))).astype(np.int8)
        if procedure.code == "XHAND":
            side[plan["tag"][here] == exams.TAG["wrong patient"]] = SIDES.index(story.hand_side(seed))
        held = np.zeros(len(here), dtype=np.int64)
        for number, slot in enumerate(procedure.slots):
            there = present(draws, slot, force, len(here))
            held[there] |= 1 << number
            some = here[there]
            amount = draws.between(slot.low, slot.high, len(some))
            made_later = slot.modality in ("PR", "KO")
            delay = draws.between(HOUR, 20 * HOUR, len(some)) if made_later else 30 * number
            sender = plan["device"][some]
            if made_later:
                sender[sender >= 0] = exams.DEVICE["WS_MG1" if procedure.modality == "MG" else "WS_CH1"]
            of_slot = np.full(len(some), slots, dtype=np.int16)
            if slot.modality == "IVOCT":
                of_slot[~late_oct[some]] = len(SLOTS) - 1
            sender[sender == exams.ELSEWHERE] = len(world.DEVICES) + place
            shows = slot.modality not in HUNDREDS
            parts.append({
                "exam": some.astype(np.int32), "slot": of_slot, "sender": sender, "amount": amount.astype(np.int32),
                "body_part": body_part[there] if shows else BODY_PARTS.index(None),
                "side": side[there] if shows else SIDES.index(None),
                "created": np.minimum(plan["created"][some] + delay, np.maximum(NOW_UTC - 60, plan["created"][some])),
            })
            slots += 1
        kinds, of_exam = np.unique(held * 4 + reverse[here] * 2 + late_oct[here], return_inverse=True)
        mods[here] = len(texts) + of_exam
        texts += [mods_in_study(procedure, kind >> 2, kind & 2, kind & 1) for kind in kinds.tolist()]
    return in_order(parts, count), mods, texts


def in_order(parts, count):
    """The series of `parts` (dicts of arrays, or of one number for all) by exam, those of an exam as the catalogue orders them."""
    after = np.zeros(count, dtype=np.int32)
    for part in parts:
        after[part["exam"]] += 1                                # an exam has a slot once
    np.cumsum(after, out=after)
    columns = {name: np.empty(after[-1], dtype=kind) for name, kind in TYPES.items()}
    # From the last part to the first, and so each exam's series from its last to its first.
    while parts:
        part = parts.pop()
        after[part["exam"]] -= 1
        place = after[part["exam"]]
        for name, values in part.items():
            columns[name][place] = values
    return columns


def mods_in_study(procedure, held, reverse, late_oct):
    """Modalities in Study for an exam of `procedure` with the series that the bits of `held` say."""
    found = []
    for number, slot in enumerate(procedure.slots):
        modality = slot.modality if slot.modality != "IVOCT" or late_oct else "OCT"
        if held >> number & 1 and modality not in found:
            found.append(modality)
    return "\\".join(reversed(found) if reverse else found)


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


def checksums(contents):
    """An invented SHA-256 for each file, of a text that stands for its content: a list of 64 hexadecimal digits."""
    return [hashlib.sha256(content.encode("ascii")).hexdigest() for content in contents]
