"""Digital radiography: a chest in two views, a hand (PS3.3 A.26, C.8.11).

`truth` gives
    view, side      View Position and Image Laterality
    orientation     where rows and columns lead: Patient Orientation
    index, target, deviation  exposure index, its target, deviation index (IEC 62494-1)
    relevant        the region that was measured: first row, row after the last, first column, column after the last
    per_ugy         stored values for each µGy of the For Processing image; "quanta" for each µGy in a pixel of it
    spacing         mm, at the detector
    places          {name: (row, column)}
    cardiothoracic  the heart's width over that of the rib cage inside, of the chest from the front
    partner         the name of the same exposure's other image, For Processing or For Presentation
"""

from functools import lru_cache

import numpy as np

from coursekit.hospital import story
from coursekit.hospital.draws import Draws
from coursekit.hospital.images import common, drawing, projection
from coursekit.hospital.images.projection import along, chord, rounded, tube

FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.1"
FOR_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.1.1"
TARGET = 250
BITS, PER_UGY = 14, 1200
QUANTA = 20_000  # absorbed for each mm² and µGy

# Attenuation of the hardened beam behind the body, per mm.
SOFT, LUNG, CORTEX, MARROW = 0.0185, 0.0052, 0.052, 0.0245


def _turns(steps, cosine, sine):
    """(cosine, sine) of 0, 1, 2 ... steps of an angle of which they are given."""
    found, c, s = [], 1.0, 0.0
    for _ in range(steps):
        found.append((c, s))
        c, s = c * cosine - s * sine, s * cosine + c * sine
    return found


class Body:
    """One chest, seen from the front and from the side. x to the patient's left, y down, z to the back.

    view          : of its own chance for texture and noise
    room          : whose chest
    rows, columns : of the detector
    """

    SPACING = 0.5
    DATE, PERSON, SEX = "20250401", "dx_chest person", "M"

    def __init__(self, seed, view, room="dx_chest", rows=860, columns=720):
        draws = Draws(seed, room)
        self.draws = Draws(seed, f"{room} {view}")
        self.heart = 1.0 if seed == 0 else draws.one(92, 110) / 100
        self.breath = 0 if seed == 0 else draws.one(-8, 6)  # how far down the diaphragm lies
        self.grid = drawing.grid(rows, columns, self.SPACING)
        self.vessels = [one for side in (-1, 1) for one in _vessels(draws, side)]

    def ribs(self):
        """Lines (x, y, z, radius) of the bony ribs, from the spine round to the front."""
        turn = _turns(40, 0.99756405, 0.06975647)  # steps of 4 degrees
        for number in range(11):
            start = -157 + 23.5 * number
            out = _half_width(start + 22) + 3.5
            deep = 60 + 34 * min(number, 5) / 5
            fall = 26 + 5.2 * min(number, 8)
            last = 22 + min(number, 4) * 3 if number < 8 else 26 - 4 * (number - 7)
            for side in (-1, 1):
                line = []
                for step in range(2, last + 1):
                    c, s = turn[step]
                    wide = 14 + (out - 14) * s if c > 0 else 0.30 * out + 0.70 * out * s
                    turned = step * 4 / 180
                    y = start + fall * (1 - c) * 0.62 + 34 * turned * turned
                    thick = 5.4 + 0.05 * number - 0.8 * (step < 5) - 0.4 * max(step - last + 7, 0)
                    line.append((side * wide, y, 8 + deep * c * (0.94 if c > 0 else 1.0), thick))
                yield number, side, line


def _half_width(y):
    """Half the width of the rib cage at height y, inside."""
    high = (y - 72) / 226 if y < 72 else (y - 72) / 420
    return 53 + 77 * float(np.sqrt(max(1 - high * high, 0.05)))


def _vessels(draws, side):
    """The arteries and veins of one lung: lists of points (x, y, z, radius)."""
    found = []
    trunk = rounded([(side * 22, -32.0, -6.0), (side * 40, -30 + 5 * side, -2.0), (side * 47, -4.0, 12.0), (side * 51, 30.0, 24.0)])
    found.append([(*p, 8.2 - 3.4 * i / len(trunk)) for i, p in enumerate(trunk)])
    # height on the trunk, aim sideways, aim down, aim to the back, radius
    aims = ((0.30, 30, -78, -22, 3.4), (0.32, 46, -58, 26, 3.0), (0.30, 12, -92, 16, 2.8), (0.42, 66, -26, -30, 3.0),
            (0.50, 64, 6, 40, 2.9), (0.62, 62, 30, -36, 3.1), (0.72, 48, 58, 30, 3.2), (0.86, 34, 66, -12, 3.1),
            (0.94, 18, 70, 36, 3.2), (0.80, -8, 74, 20, 2.8), (0.55, 30, 20, -56, 2.8), (0.46, 56, -10, 52, 2.5))
    for where, dx, dy, dz, radius in aims:
        start = trunk[int(where * (len(trunk) - 1))]
        end = tuple(a + b * draws.one(84, 116) / 100 for a, b in zip(start, (side * dx, dy, dz), strict=True))
        _branch(draws, found, start, end, radius, 4)
    return found


def _branch(draws, found, start, end, radius, depth):
    """A vessel that bends on its way, tapers, and gives off thinner ones."""
    way = [b - a for a, b in zip(start, end, strict=True)]
    length = float(np.sqrt(sum(d * d for d in way)))
    bend = max(int(0.13 * length), 1)
    knots = [tuple(a + f * d + draws.one(-bend, bend) for a, d in zip(start, way, strict=True)) for f in (0.35, 0.7)]
    line = rounded([start, *knots, end], 2)
    found.append([(*p, 1.15 * radius * (1 - 0.62 * i / (len(line) - 1))) for i, p in enumerate(line)])
    if depth > 1:
        for where, weight in ((0.32, 0.66), (0.55, 0.72), (0.78, 0.6))[: 3 if depth > 2 else 2]:
            index = int(where * (len(line) - 1))
            spread = max(int(0.42 * length), 2)
            aim = tuple(p + 0.52 * d + draws.one(-spread, spread) * 0.8 for p, d in zip(line[index], way, strict=True))
            _branch(draws, found, line[index], aim, radius * weight * (1 - 0.5 * where), depth - 1)


def _lay(x, y, lines):
    """The longest ray through any of the tubes, for tubes that grow out of each other."""
    canvas = np.zeros(x.shape)
    for line in lines:
        place, inside = tube(x, y, line)
        np.maximum(canvas[place], inside, out=canvas[place])
    return canvas


def _bone(x, y, line, wall, canvas):
    """Add a hollow bone to `canvas` (what the chest's beam loses beyond soft tissue): a wall `wall` mm thick around marrow."""
    place, outer = tube(x, y, line)
    canvas[place] += outer * (CORTEX - SOFT)
    place, inner = tube(x, y, [(*p[:-1], max(p[-1] - wall, 0.05)) for p in line])
    canvas[place] -= inner * (CORTEX - MARROW)


# --- the chest from the front

# Borders of what lies between the lungs, (y, x) from the neck to the diaphragm, and how deep it is, (y, mm).
LEFT_BORDER = [(-170, 22), (-110, 25), (-96, 29), (-86, 36), (-74, 40), (-62, 36), (-52, 33), (-42, 38), (-28, 43), (-12, 48),
               (6, 56), (26, 67), (44, 75), (58, 78), (74, 78), (90, 78), (120, 78)]
RIGHT_BORDER = [(-170, 22), (-120, 26), (-84, 28), (-56, 29), (-34, 30), (-18, 33), (0, 36), (22, 39.5), (44, 40), (62, 37),
                (78, 31), (96, 26), (120, 24)]
DEPTHS = [(-170, 64), (-100, 66), (-74, 74), (-40, 84), (0, 96), (40, 104), (90, 100), (120, 96)]
SHOULDERS = [(0, -240), (52, -226), (62, -206), (84, -188), (120, -176), (160, -164), (190, -146)]


def _front_tissue(x, y):
    """How deep the body is, in mm: trunk with sloping shoulders, neck, muscles of the chest."""
    side = np.abs(x)
    wide = 171 - 5 * drawing.soft(y, -60, 60) + 13 * drawing.soft(-y, 30, 120)
    u = np.clip(side / wide, 0, 1.2) ** 2
    trunk = 234 * np.sqrt(np.clip(1 - u * (0.36 + 0.64 * u), 0, None))
    trunk = trunk * np.sqrt(np.clip((y - along(side[:1], SHOULDERS)) / 112, 0, 1))
    neck = chord(x, 0 * y, 0, 0, 58, 1, 122) * (1 - drawing.soft(y, -185, -110))
    pectoral = 1 - drawing.soft(drawing.ellipse(side, y, 92, -50, 74, 62, (0.88, -0.47)), 0.70, 1.06)
    arm = rounded([(84.0, -132.0, 40.0), (132.0, -130.0, 45.0), (172.0, -118.0, 46.0), (196.0, -70.0, 42.0), (208.0, 0.0, 37.0),
                   (216.0, 70.0, 33.0)])
    arms = _lay(x, y, [[(hand * a, b, r) for a, b, r in arm] for hand in (-1, 1)])
    return projection.smooth(np.maximum(np.maximum(trunk, neck), arms), 5, 2) + 12 * pectoral


def _heart_borders(body, y):
    """How far what lies between the lungs reaches to the left and to the right at height y, in mm."""
    grown = (body.heart - 1) * drawing.soft(y, -20, 40)
    return along(y, LEFT_BORDER) + 75 * grown, along(y, RIGHT_BORDER) + 40 * grown


def _front_air(body, x, y):
    """How much lung a ray passes, in mm."""
    left, right = _heart_borders(body, y[:, :1])
    off = (x - (left - right) / 2) / ((left + right) / 2)
    middle = along(y[:, :1], DEPTHS) * np.sqrt(np.clip(1 - off * off, 0, None))
    high = np.where(y < 72, (y - 72) / 226, (y - 72) / 420)
    air = np.zeros(x.shape)
    for hand in (-1, 1):
        across = x * hand
        out = (across - 53) / 77
        lung = 186 * np.sqrt(np.clip(1 - out * out - high * high, 0, None))
        under = (y - _dome(body, hand, across)) / (64 - 42 * drawing.soft(across, 78, 122))
        lung = lung * (1 - np.sqrt(np.clip(under, 0, 1))) * (1 - drawing.soft(under, 0.1, 0.9))
        inner = 30 * drawing.soft(y, 50, 130)
        lung = lung * (1 - drawing.soft(under, 0, 0.2) * (1 - drawing.soft(across, 30, 104)))
        there = middle * (1 - drawing.soft(under, -0.1, 0.3))
        air = np.maximum(air, np.clip(lung - there, 0, None) * drawing.soft(across - inner, 2, 14 + inner))
    return air


def _dome(body, hand, across):
    """The height of the diaphragm `across` mm from the middle, on the right (-1) or left (1)."""
    top, middle = (74.0, 60.0) if hand < 0 else (86.0, 64.0)
    off = across - middle
    return top + body.breath + off * off / np.where(off > 0, 88.0, 170.0)


def front_lost(body):
    """What the beam loses from the front, as a power of e, and how much lung it passes, mm."""
    x, y = body.grid
    texture, fine = projection.clouds(body.draws, x.shape, 12), projection.clouds(body.draws, x.shape, 3)
    tissue, air = _front_tissue(x, y), _front_air(body, x, y)
    lost = SOFT * tissue - (SOFT - LUNG) * air + SOFT * 4 * (texture - 0.5) * drawing.soft(tissue, 20, 120)
    # Lung markings, only where there is lung.
    there = drawing.soft(air, 6, 60)
    marks = _lay(x, y, [[(p[0], p[1], p[3]) for p in one] for one in body.vessels])
    lost += (SOFT - LUNG) * there * (1.9 * projection.smooth(marks, 1) + 7 * (fine - 0.5))
    # Gas under the left dome: in the stomach above a level of fluid, for the man stands, and in the pouches of the colon.
    under = y - _dome(body, 1, x) - 15 + 3 * (texture - 0.5)
    stomach = chord(x, 0 * y, 63, 0, 34, 1, 40) * drawing.soft(34 - np.abs(x - 63), 0, 12) * drawing.soft(under, 0, 7)
    stomach = stomach * (1 - drawing.soft(y - 126 - body.breath, -0.6, 0.8))
    lost -= SOFT * 0.85 * projection.smooth(stomach, 1)
    colon = [(84.0, 158.0, 7.0), (91.0, 150.0, 11.0), (98.0, 145.0, 8.5), (107.0, 145.0, 12.5), (114.0, 153.0, 9.5), (117.0, 164.0, 13.0),
             (116.0, 175.0, 9.5), (113.0, 186.0, 12.0), (110.0, 198.0, 8.0)]
    colon = _lay(x + 5 * (texture - 0.5), y - body.breath, [rounded(colon, 2)])
    lost -= SOFT * 0.75 * projection.smooth(colon, 3)
    # Windpipe and main bronchi.
    pipe = [[(2.0, -220.0, 9.0), (0.0, -150.0, 9.2), (-3.5, -92.0, 9.4), (-4.0, -58.0, 9.6)],
            [(-4.0, -62.0, 8.2), (-17.0, -42.0, 7.4), (-31.0, -20.0, 5.4)], [(-4.0, -62.0, 7.8), (17.0, -44.0, 6.6), (38.0, -31.0, 4.8)]]
    lost -= 1.25 * SOFT * projection.smooth(_lay(x, y, [rounded(line) for line in pipe]), 1)
    return lost + _front_bones(body, x, y), air


def _front_bones(body, x, y):
    """What bones take away beyond soft tissue."""
    bones = np.zeros(x.shape)
    # Vertebrae: bodies with denser plates, pedicles, transverse and spinous processes.
    level = (y + 168.75) / 23.5
    part = level - np.floor(level)
    waist = 16.5 + 0.02 * (y + 150) + 1.8 * (2 * part - 1) * (2 * part - 1)
    column = np.sqrt(np.clip(1 - (x / waist) ** 2, 0, None))
    solid = drawing.soft(part, 0.05, 0.16) * (1 - drawing.soft(part, 0.84, 0.95))
    plate = solid * (1 - drawing.soft(part, 0.12, 0.24) * (1 - drawing.soft(part, 0.76, 0.88)))
    bones += (MARROW - SOFT) * 34 * column * (0.3 + 0.7 * solid) + (CORTEX - SOFT) * 5 * column * plate
    for number in range(-2, 14):
        middle = -157 + 23.5 * number
        for hand in (-1, 1):
            _bone(x, y, [(hand * 11.5, middle - 5, 3.2), (hand * 11.8, middle + 2, 3.2)], 1.3, bones)
            _bone(x, y, [(hand * 16, middle + 1, 4.0), (hand * 24, middle - 1, 3.4), (hand * 32, middle - 3, 4.2)], 0.7, bones)
        _bone(x, y, [(0.0, middle + 6, 1.8), (0.4, middle + 18, 2.6)], 1.4, bones)
    for number, _, line in body.ribs():
        _bone(x, y, [(p[0], p[1], p[3]) for p in line], 1.05 - 0.025 * number, bones)
    for hand in (-1, 1):
        clavicle = rounded([(hand * a, b) for a, b in ((13, -112), (30, -118), (66, -130), (100, -147), (132, -160), (160, -160))])
        count = len(clavicle)
        _bone(x, y, [(a, b, 7.6 - 2.6 * min(i, count - i) / (count / 2)) for i, (a, b) in enumerate(clavicle)], 1.5, bones)
        # Shoulder blade, turned out: a thin plate with thick rims; upper arm.
        rims = [[(hand * 126, -118), (hand * 127, -70), (hand * 134, -20), (hand * 141, 4)],
                [(hand * 141, 4), (hand * 156, -50), (hand * 168, -104)],
                [(hand * 124, -128), (hand * 142, -142), (hand * 166, -158)]]
        for line, radius in zip(rims, (2.6, 4.4, 4.6), strict=True):
            _bone(x, y, [(a, b, radius) for a, b in rounded(line)], 0.9, bones)
        bones += (MARROW - SOFT) * chord(x, y, hand * 147, -66, 22, 62, 9, (0.97, hand * 0.243))
        humerus = ((171.0, -136.0, 22.0), (178.0, -120.0, 20.0), (188.0, -70.0, 13.0), (192.0, 0.0, 12.0))
        _bone(x, y, rounded([(hand * a, b, radius) for a, b, radius in humerus]), 1.3, bones)
    return projection.smooth(bones, 1)


# --- the chest from the left side; here x is the way to the back

FRONT_SKIN = [(-230, 74), (-196, 72), (-160, 80), (-116, 101), (-60, 118), (0, 125), (60, 124), (130, 114), (230, 106)]
BACK_SKIN = [(-230, 96), (-190, 98), (-140, 109), (-70, 120), (0, 119), (70, 111), (150, 101), (230, 100)]
FRONT_HEART = [(-130, 22), (-96, 32), (-66, 41), (-36, 54), (-6, 71), (24, 86), (52, 94), (80, 95), (110, 90)]
BACK_HEART = [(-130, -2), (-96, -6), (-66, -5), (-40, 0), (-14, 9), (16, 15), (40, 15), (62, 11), (82, 2), (110, -8)]
HEART_DEPTHS = [(-130, 16), (-90, 34), (-50, 62), (-10, 88), (40, 106), (110, 100)]
FRONT_LUNG = [(-166, -6), (-140, 20), (-110, 50), (-60, 80), (0, 96), (60, 99), (110, 95), (180, 90)]
BACK_LUNG = [(-166, 22), (-150, 40), (-110, 70), (-60, 85), (0, 89), (60, 85), (130, 74), (190, 60)]
SPINE = [(-240, 26), (-180, 36), (-120, 52), (-50, 61), (20, 60), (90, 51), (160, 42), (230, 38)]


def _side_air(body, x, y):
    """How much of either lung a ray passes, in mm: right and left."""
    row = y[:, :1]
    front, back = -along(row, FRONT_LUNG), along(row, BACK_LUNG)
    off = (x - (front + back) / 2) / np.clip((back - front) / 2, 1, None)
    high = np.where(y < 72, (y - 72) / 232, (y - 72) / 420)
    whole = 104 * np.sqrt(np.clip(1 - high * high, 0, None)) * np.sqrt(np.clip(1 - np.abs(off) ** 2 * np.abs(off), 0, None))
    # Towards the middle both lungs make room for windpipe, gullet and vessels.
    whole = whole - 22 * (1 - drawing.soft(drawing.ellipse(x, y, 10, -70, 42, 110), 0.3, 1.2))
    larger = 1 + (body.heart - 1) * drawing.soft(row, -60, 20)
    start, end = -along(row, FRONT_HEART) * larger, along(row, BACK_HEART) * larger
    middle = (x - (start + end) / 2) / ((end - start) / 2)
    heart = along(row, HEART_DEPTHS) * np.sqrt(np.clip(1 - middle * middle, 0, None))
    found = []
    for hand in (-1, 1):
        top, back_off = (74.0, x + 16) if hand < 0 else (86.0, x + 8)
        dome = top + body.breath + back_off * back_off / np.where(back_off > 0, 122.0, 250.0)
        under = (y - dome) / 60
        share = 0.44 if hand < 0 else 0.56  # the heart lies more on the left
        lung = np.clip(whole - share * heart * (1 - drawing.soft(under, -0.1, 0.3)), 0, None)
        found.append(lung * (1 - np.sqrt(np.clip(under, 0, 1))) * (1 - drawing.soft(under, 0.1, 0.9)))
    return found


def _side_lost(body):
    x, y = body.grid
    texture, fine = projection.clouds(body.draws, x.shape, 12), projection.clouds(body.draws, x.shape, 3)
    front, back = -along(y[:, :1], FRONT_SKIN), along(y[:, :1], BACK_SKIN)
    off = np.abs(x - (front + back) / 2) / ((back - front) / 2)
    tissue = np.sqrt(np.clip(1 - off * off * (0.12 + 0.88 * off * off), 0, None))
    wide = 300 - 80 * drawing.soft(-y, 120, 215) + 34 * drawing.soft(-y, 40, 150) * (1 - drawing.soft(np.abs(x - 14), 10, 100))
    tissue = tissue * wide
    air = sum(_side_air(body, x, y))
    lost = SOFT * tissue - (SOFT - LUNG) * air + SOFT * 4 * (texture - 0.5) * drawing.soft(tissue, 20, 120)
    there = drawing.soft(air, 10, 110)
    marks = _lay(x, y, [[(p[2], p[1], p[3]) for p in one] for one in body.vessels])
    lost += (SOFT - LUNG) * there * (2.1 * projection.smooth(marks, 1) + 9 * (fine - 0.5))
    # The aorta's arch, and the pulmonary arteries: the right one before, the left one above the bronchi.
    arch = rounded([(-24.0, 0.0, 14.0), (-24.0, -50.0, 14.5), (-6.0, -92.0, 14.0), (28.0, -92.0, 13.0), (46.0, -58.0, 12.5),
                    (52.0, 20.0, 12.0), (44.0, 110.0, 11.0)])
    lost += 0.75 * (SOFT - LUNG) * projection.smooth(_lay(x, y, [arch]), 2)
    for cx, cy, a, b, deep in ((-4, -40, 13, 10, 26), (31, -50, 12, 9, 20)):
        lost += (SOFT - LUNG) * projection.smooth(chord(x, y, cx, cy, a, b, deep, (0.9, 0.436)), 2)
    pipe = [rounded([(-20.0, -224.0, 8.6), (-6.0, -160.0, 8.8), (8.0, -104.0, 9.0), (20.0, -58.0, 8.4)]),
            [(19.0, -60.0, 7.6), (24.0, -34.0, 6.2), (30.0, -8.0, 4.6)]]
    lost -= 1.1 * SOFT * projection.smooth(_lay(x, y, pipe), 1)
    lost -= 0.8 * SOFT * projection.smooth(chord(x, y, 19, -44, 5.5, 5.5, 14), 1)
    bubble = drawing.soft(chord(x, y + 5 * (texture - 0.5), -22, 120 + body.breath, 34, 17, 50, (0.97, 0.243)), -5, 55)
    lost -= SOFT * 44 * bubble
    return lost + _side_bones(body, x, y), air


def _side_bones(body, x, y):
    bones = np.zeros(x.shape)
    # Vertebrae: boxes with denser rims, their arches and spinous processes behind.
    level = (y + 168.75) / 23.5
    part = level - np.floor(level)
    back = x - along(y[:, :1], SPINE)
    half = 14.5 + 0.012 * (y + 150) + 1.2 * (2 * part - 1) * (2 * part - 1)
    inside = 1 - drawing.soft(np.abs(back) / half, 0.9, 1.04)
    solid = drawing.soft(part, 0.05, 0.13) * (1 - drawing.soft(part, 0.87, 0.95))
    plate = solid * (1 - drawing.soft(part, 0.11, 0.2) * (1 - drawing.soft(part, 0.8, 0.89)))
    rim = inside * drawing.soft(np.abs(back) / half, 0.72, 0.95)
    bones += (MARROW - SOFT) * 31 * inside * (0.2 + 0.8 * solid) + (CORTEX - SOFT) * (4.5 * inside * plate + 2.5 * rim * solid)
    for number in range(-2, 15):
        middle = -157 + 23.5 * number
        place = float(along(np.array([middle]), SPINE)[0])
        _bone(x, y, [(place + 14, middle - 4, 4.6), (place + 25, middle - 2, 5.0)], 1.0, bones)
        _bone(x, y, [(place + 24, middle - 8, 3.4), (place + 27, middle + 12, 3.6)], 1.0, bones)
        process = [(place + 27.0, middle + 2, 3.4), (place + 38.0, middle + 12, 3.2), (place + 47.0, middle + 24, 3.6)]
        _bone(x, y, rounded(process), 0.5, bones)
    ribs = np.zeros(x.shape)
    for number, hand, line in body.ribs():
        larger = 1.05 if hand < 0 else 1.0  # the right side is farther from the detector
        _bone(x, y, [(larger * p[2], 20 + larger * (p[1] - 20), p[3] - 0.6) for p in line], 0.75 - 0.02 * number, ribs)
    bones += 0.9 * projection.smooth(ribs, 1)
    for ends, radius in (([(-47.0, -128.0), (-58.0, -112.0), (-73.0, -86.0)], 6.0),
                         ([(-75.0, -81.0), (-88.0, -46.0), (-99.0, -6.0), (-104.0, 30.0)], 5.0)):  # manubrium, body of the sternum
        place, inside = tube(x, y, [(a, b, radius) for a, b in rounded(ends)])
        bones[place] += (MARROW - SOFT) * 18 * drawing.soft(inside, 0, 11) + (CORTEX - SOFT) * 2.6 * drawing.soft(inside, 0, 4) * (
            1 - 0.6 * drawing.soft(inside, 3, 10))
    for hand in (-1, 1):  # shoulder blades, seen from their edge
        blade = ((56.0, -150.0, 4.0), (84.0, -110.0, 3.2), (95.0, -60.0, 2.8), (96.0, -14.0, 3.0))
        _bone(x, y, rounded([(a + 9 * hand, b, radius) for a, b, radius in blade]), 0.9, bones)
    return projection.smooth(bones, 1)


# --- a hand

# Attenuation of the softer beam, per mm.
FLESH, COMPACT, SPONGY = 0.034, 0.150, 0.052
# A left hand from behind, thumb on the right: joint to joint (x, y), and the width of base, shaft and head.
LONG_BONES = {
    "metacarpal 1": ((35, 52), (59, 16), 7.6, 4.9, 6.8), "metacarpal 2": ((18, 37), (28, -24), 7.8, 4.3, 7.2),
    "metacarpal 3": ((5, 36), (7, -29), 7.4, 4.2, 7.2), "metacarpal 4": ((-6, 38), (-14, -21), 6.4, 3.7, 6.6),
    "metacarpal 5": ((-16, 42), (-31, -8), 6.4, 3.8, 6.2), "proximal phalanx 1": ((59.7, 14.2), (74, -18), 7.0, 4.4, 5.6),
    "proximal phalanx 2": ((28.5, -25.8), (36.5, -67), 7.0, 4.4, 5.6), "proximal phalanx 3": ((7.1, -30.9), (9, -78), 7.2, 4.6, 5.8),
    "proximal phalanx 4": ((-14.5, -22.8), (-22, -65), 6.8, 4.2, 5.4), "proximal phalanx 5": ((-31.5, -9.8), (-43, -43), 6.2, 3.7, 4.8),
    "middle phalanx 2": ((36.7, -68.5), (41, -94), 5.9, 3.7, 4.6), "middle phalanx 3": ((9.1, -79.5), (10, -110), 6.1, 3.9, 4.8),
    "middle phalanx 4": ((-22.3, -66.5), (-27, -94), 5.8, 3.6, 4.6), "middle phalanx 5": ((-43.6, -44.4), (-50.5, -64), 5.0, 3.1, 4.1),
    "distal phalanx 1": ((74.7, -19.3), (85, -45), 6.2, 3.3, 4.2), "distal phalanx 2": ((41.2, -95.3), (43.6, -114), 4.9, 2.4, 3.2),
    "distal phalanx 3": ((10.1, -111.3), (10.5, -131), 5.1, 2.6, 3.4), "distal phalanx 4": ((-27.3, -95.3), (-31, -114), 4.9, 2.5, 3.3),
    "distal phalanx 5": ((-50.9, -65.3), (-56.5, -82), 4.3, 2.1, 2.8),
}
# The wrist: each bone's middle, and circles around which it lies: it reaches half way to those of its neighbours.
CARPALS = {
    "scaphoid": ((23.5, 58), [(17.5, 62.5, 5.5), (27.0, 54.5, 4.0)]), "lunate": ((9.5, 64), [(7.5, 66.0, 6.0)]),
    "triquetrum": ((-5.5, 60), [(-6.5, 61.0, 5.0)]), "trapezium": ((31, 48.5), [(32.0, 47.5, 4.5)]),
    "trapezoid": ((18.5, 45.5), [(19.0, 44.5, 4.0)]), "capitate": ((6.5, 49), [(6.0, 42.5, 4.5), (7.0, 53.0, 6.0)]),
    "hamate": ((-7.5, 47.5), [(-8.5, 46.0, 5.5)]),
}
PISIFORM = (-10.5, 56.5, 4.4, 5.2)
# Where the wrist ends: towards the hand and towards the forearm, (x, y).
DISTAL = [(-24, 47), (-16, 43.4), (-6, 39.0), (5, 37.0), (18, 38.0), (27, 39.5), (36, 42.0), (44, 50)]
PROXIMAL = [(-26, 55), (-17, 63), (-9, 69.5), (2, 73.6), (12, 74.2), (22, 71.2), (30, 64.5), (40, 55)]
JOINT = 0.60  # mm, half the gap between two bones of the wrist


class _Hand:
    ROWS, COLUMNS, SPACING = 880, 640, 0.28
    DATE, PERSON, SEX = "20250402", "dx_hand person", "F"

    def __init__(self, seed):
        self.draws = Draws(seed, "dx_hand")
        self.side = story.hand_side(seed)
        if seed:
            self.draws.one(0, 1)                      # the first of the stream is the side
        self.size = 0.95 if seed == 0 else self.draws.one(90, 97) / 100
        x, y = drawing.grid(self.ROWS, self.COLUMNS, self.SPACING)
        self.film = x, y
        # The drawing's own coordinates: a left hand of size 1, mirrored when it is done if a right one is wanted.
        self.grid = (x + 15) / self.size, (y - 10) / self.size

    def pixel(self, x, y):
        """Row and column of a point of the drawing."""
        x, y = x * self.size - 15, y * self.size + 10
        x = x if self.side == "L" else -x
        return round(y / self.SPACING + (self.ROWS - 1) / 2), round(x / self.SPACING + (self.COLUMNS - 1) / 2)


def _long_bone(start, end, base, middle, head):
    """Lines of points (x, y, radius, thickness of the wall): a shaft that widens to a base and a head of two rounds each."""
    way = (end[0] - start[0], end[1] - start[1])
    length = float(np.sqrt(way[0] * way[0] + way[1] * way[1]))
    across = (-way[1] / length, way[0] / length)
    line = []
    for step in range(25):
        t = step / 24
        low, high = max(1 - t / 0.4, 0), max((t - 0.62) / 0.38, 0)
        radius = middle + (0.9 * base - middle) * low * low + (0.86 * head - middle) * high * high
        wall = 0.4 + (0.46 * middle - 0.4) * (1 - max(low, high)) * (1 - max(low, high))
        place = (0.86 * base + (length - 0.80 * head - 0.86 * base) * t) / length
        line.append((start[0] + way[0] * place, start[1] + way[1] * place, radius, wall))
    ends = []
    for point, wide, inset in ((start, base, 0.53 * base / length), (end, head, -0.53 * head / length)):
        x, y = point[0] + way[0] * inset, point[1] + way[1] * inset
        off = 0.44 * wide
        ends.append([(x - off * across[0], y - off * across[1], 0.56 * wide, 0.4), (x, y, 0.49 * wide, 0.4),
                     (x + off * across[0], y + off * across[1], 0.56 * wide, 0.4)])
    return [line, *ends]


FOREARM = (  # radius with its styloid process, ulna with its own
    [(9.5, 80.5, 6.0, 0.5), (16.0, 82.0, 8.4, 0.5), (23.0, 79.0, 8.4, 0.5), (29.0, 73.0, 3.4, 0.5)],
    [(16.5, 86.0, 12.6, 0.6), (16.0, 93.0, 12.2, 0.9), (15.0, 108.0, 9.2, 1.9), (14.0, 124.0, 8.0, 2.5), (13.0, 150.0, 7.6, 2.7)],
    [(-14.5, 82.5, 8.0, 0.5), (-14.0, 89.0, 7.6, 0.7), (-12.5, 104.0, 6.2, 1.6), (-11.0, 150.0, 6.2, 2.2)],
    [(-19.0, 82.5, 2.8, 0.5), (-20.5, 74.5, 1.6, 0.5)],
)


def _hand_bones(hand):
    """What the bones of the hand take away beyond soft tissue."""
    x, y = hand.grid
    grain = 0.75 + 0.5 * projection.clouds(hand.draws, x.shape, 1)
    bones = np.zeros(x.shape)
    # Bone of the wrist by bone, the longest ray each; where two bones cover each other both count.
    top, bottom = np.searchsorted(y[:, 0], (34, 78))
    wrist = np.s_[top:bottom]
    for name in CARPALS:
        deep = _in_carpal(x[wrist], y[wrist], name)
        _whole_bone(_bulging(deep, 13), _bulging(deep - 0.55, 12), grain[wrist], bones[wrist], 1.0)
    cx, cy, a, b = PISIFORM
    _whole_bone(chord(x, y, cx, cy, a, b, 13), chord(x, y, cx, cy, a - 0.5, b - 0.5, 12), grain, bones, 0.45)
    for cx, cy in ((52.5, 18.5), (62.5, 21.5)):  # sesamoid bones of the thumb
        bones += 0.8 * (SPONGY - FLESH) * chord(x, y, cx, cy, 2.7, 2.2, 14)
    for lines in (*(_long_bone(*bone) for bone in LONG_BONES.values()), FOREARM[:2], FOREARM[2:]):
        solid, hollow = np.zeros(x.shape), np.zeros(x.shape)
        for line in lines:
            place, inside = tube(x, y, [p[:3] for p in line])
            np.maximum(solid[place], inside, out=solid[place])
            place, inside = tube(x, y, [(p[0], p[1], p[2] - p[3]) for p in line])
            np.maximum(hollow[place], inside, out=hollow[place])
        _whole_bone(solid, hollow, grain, bones, 1.0)
    return projection.smooth(projection.warped(hand.draws, bones, 14, 3.4), 1)


def _in_carpal(x, y, name):
    """How deep each place lies in a bone of the wrist, mm: 0 at its rim and outside; corners are rounded."""
    row = x[:1]
    ends = [y - along(row, DISTAL), along(row, PROXIMAL) - y, 40 - x, x + 20]
    inside = 0.0
    away = {point: np.sqrt((x - point[0]) ** 2 + (y - point[1]) ** 2) - point[2] for _, points in CARPALS.values() for point in points}
    for own in CARPALS[name][1]:
        walls = ends + [0.5 * (away[other] - away[own]) for other in away if other not in CARPALS[name][1]]
        close = sum(1 / (squared * squared) for squared in (np.clip(wall - JOINT + 2.0, 0.1, None) ** 2 for wall in walls))
        inside = np.maximum(inside, 1 / np.sqrt(np.sqrt(close)) - 1.9)
    return np.clip(inside, 0, None)


def _bulging(deep, thick):
    """The ray's length in a bone of thickness `thick` that is rounded off within 5 mm of its rim."""
    flat = 1 - np.clip(deep / 5, 0, 1)
    return thick * np.sqrt(1 - flat * flat)


def _whole_bone(solid, hollow, grain, bones, share):
    bones += share * (solid * (COMPACT - FLESH) - hollow * (COMPACT - FLESH - (SPONGY - FLESH) * grain))


def _hand_flesh(hand):
    """How thick the hand is, mm."""
    x, y = hand.grid
    fingers = []
    for finger, wide in ((1, 10.0), (2, 9.0), (3, 9.2), (4, 8.8), (5, 7.8)):
        names = ["proximal phalanx", "middle phalanx", "distal phalanx"] if finger > 1 else ["proximal phalanx", "distal phalanx"]
        points = [LONG_BONES[f"metacarpal {finger}"][1]] + [LONG_BONES[f"{name} {finger}"][1] for name in names]
        tip = points[-1]
        before = points[-2]
        points[-1] = tuple(b + (a - b) * 0.86 for a, b in zip(tip, before, strict=True))
        fingers.append([(*p, wide * (1.10 - 0.26 * i / (len(points) - 1))) for i, p in enumerate(points)])
    palm = [[(p[0], p[1], r) for p, r in zip(LONG_BONES[f"metacarpal {n}"][:2], radii, strict=True)]
            for n, radii in ((1, (16, 12)), (2, (17, 13.5)), (3, (17, 13.5)), (4, (17, 13)), (5, (15, 12)))]
    palm.append([(34, 52, 16), (26, 10, 15), (20, -6, 12)])  # the web of the thumb
    palm.append([(4, 44, 33), (2, 72, 29), (2, 96, 28.5), (2, 170, 31)])
    thick = _lay(x, y, palm)
    flat = np.clip(thick / 26, 0, 1)
    return projection.smooth(np.maximum(25 * flat * (2 - flat), _lay(x, y, fingers)), 7)


def _hand_lost(hand):
    x, y = hand.grid
    flesh = _hand_flesh(hand)
    texture = projection.clouds(hand.draws, x.shape, 5)
    return FLESH * flesh * (1 + 0.10 * (texture - 0.5)) + _hand_bones(hand), flesh


# --- exposures and objects


class _Exposure:
    """One exposure: what the detector measured (`raw`), and what is true of it.

    lost     : what the beam loses, as a power of e
    relevant : the region of which the exposure index tells: left, right, top, bottom in mm from the middle
    percent  : of the target exposure, in edition 0; others draw theirs
    shown    : True where the grey levels of the image to be looked at are set by
    reach    : of the scattered radiation, mm; `scatter` is its share
    """

    def __init__(self, seed, subject, lost, relevant, percent, shown, reach, scatter=0.9):
        self.shown, self.spacing, self.shape = shown, subject.SPACING, lost.shape
        (top, left), (bottom, right) = self.pixel(relevant[0], relevant[2]), self.pixel(relevant[1], relevant[3])
        self.relevant = (top, bottom, left, right)
        region = np.zeros(lost.shape, bool)
        region[top:bottom, left:right] = True
        percent = percent if seed == 0 else subject.draws.one(72, 138)
        dose = projection.expose(subject.draws, lost, self.spacing, region, TARGET * percent / 10_000, QUANTA, scatter, reach)
        self.raw = projection.stored(dose, PER_UGY, BITS)
        self.index = projection.exposure_index(self.raw, region, PER_UGY)
        self.deviation = projection.deviation_index(self.index, TARGET)

    def pixel(self, x, y):
        """Row and column of a point (mm from the middle)."""
        return round(y / self.spacing + (self.shape[0] - 1) / 2), round(x / self.spacing + (self.shape[1] - 1) / 2)

    def told(self, view, side, orientation, places, **more):
        return {"view": view, "side": side, "orientation": orientation, "index": self.index, "target": TARGET,
                "deviation": self.deviation, "relevant": self.relevant, "per_ugy": PER_UGY,
                "quanta": round(QUANTA * self.spacing * self.spacing), "spacing": self.spacing, "places": places, **more}


@lru_cache(maxsize=2)
def _chest(seed, view):
    """The body and its exposure from the front ("PA") or from the side ("LL")."""
    body = Body(seed, view)
    x, y = body.grid
    lost, air = (front_lost if view == "PA" else _side_lost)(body)
    lost = lost + 6 * projection.marker(x, y, "L", *((148, -198) if view == "PA" else (-160, -190)), 14)
    shown = ((air > 20) | (lost > 2.5)) & (np.abs(x) < 135) & (y > -150) & (y < 140)
    relevant, percent, reach = ((-128, 128, -140, 130), 104, 25) if view == "PA" else ((-92, 92, -110, 130), 118, 40)
    return body, _Exposure(seed, body, lost, relevant, percent, shown, reach)


@lru_cache(maxsize=2)
def _hand(seed):
    hand = _Hand(seed)
    lost, flesh = _hand_lost(hand)
    if hand.side == "R":
        lost, flesh = lost[:, ::-1], flesh[:, ::-1]
    x, y = hand.film
    at = (62, -108) if hand.side == "R" else (-76, -108)
    lost = lost + 6 * projection.marker(x, y, hand.side, *at, 9)
    relevant = (-44, 16, 0, 100) if hand.side == "L" else (-16, 44, 0, 100)
    return hand, _Exposure(seed, hand, lost, relevant, 89, flesh > 3, 12, 0.12)


def _object(seed, subject, exposure, number, processing):
    """What is the same for all images of this room; `number` is that of the series in the study."""
    study, accession = common.ordered(subject.DATE, 81 if subject.PERSON.startswith("dx_chest") else 82)
    series = f"{study}.{number}"
    ds = common.dataset(FOR_PROCESSING if processing else FOR_PRESENTATION, (study, series, f"{series}.1"), "DX_CH1")
    common.person(Draws(seed, subject.PERSON), ds, subject.SEX)
    ds.IssuerOfPatientID = "HVGH"
    ds.AccessionNumber, ds.StudyID = accession, accession[-5:]
    ds.SeriesNumber, ds.InstanceNumber = number, 1
    ds.Modality = "DX"
    ds.Manufacturer, ds.ManufacturerModelName = "Pellicula Medical", "Wallstand DR"
    ds.DeviceSerialNumber, ds.SoftwareVersions = "2.999-DX-0451", "4.2"
    ds.DetectorType, ds.DetectorConfiguration, ds.DetectorID = "SCINTILLATOR", "AREA", "2.999-FP-43"
    ds.FieldOfViewShape = "RECTANGLE"
    ds.FieldOfViewDimensions = [round(exposure.spacing * count) for count in exposure.raw.shape]
    ds.ExposureIndex, ds.TargetExposureIndex = str(exposure.index), str(TARGET)
    ds.DeviationIndex = common.number(exposure.deviation, 1)
    if processing:
        projection.header(ds, exposure.raw, BITS, exposure.spacing, True)
        ds.FieldOfViewOrigin, ds.FieldOfViewRotation, ds.FieldOfViewHorizontalFlip = ["0", "0"], "0", "NO"
    return ds


def _shown(ds, exposure, radius, share, detail):
    pixels = projection.rendered(exposure.raw, BITS, exposure.shown, radius, share, detail)
    projection.header(ds, pixels, 12, exposure.spacing, False)
    common.window(ds, 2000, 3600)
    ds.VOILUTFunction = "LINEAR"
    ds.WindowCenterWidthExplanation = "STANDARD"


def _technique(ds, exposure, kvp, milliamperes, milliseconds, area_dose, distance, to_patient, grid):
    """X-Ray Generation, Acquisition Dose, Grid and the distances of DX Positioning.

    milliseconds, area_dose : on target; what was used goes with the exposure index. The area dose in dGy·cm².
    """
    milliseconds, area_dose = milliseconds * exposure.index / TARGET, area_dose * exposure.index / TARGET
    ds.KVP, ds.XRayTubeCurrent = str(kvp), milliamperes
    ds.ExposureTime, ds.ExposureTimeInuS = round(milliseconds), common.number(1000 * milliseconds)
    ds.Exposure = round(milliamperes * milliseconds / 1000)
    ds.ExposureInuAs = round(milliamperes * milliseconds)
    ds.ImageAndFluoroscopyAreaDoseProduct = common.number(area_dose)
    ds.DistanceSourceToDetector, ds.DistanceSourceToPatient = str(distance), str(to_patient)
    ds.Grid = grid


def _anatomy(ds, part, code, meaning, side):
    ds.BodyPartExamined = part
    ds.AnatomicRegionSequence = [common.code(code, "SCT", meaning)]
    ds.ImageLaterality = side


# Patient Orientation, code of the view, series, start, mA, ms, dGy·cm² on target, share and places of the chest's views.
VIEWS = {
    "PA": (("L", "F"), ("272479007", "postero-anterior"), "PA", "084730", (320, 5, 0.9), 0.66, {
        "aortic knob": (36, -74), "windpipe": (-3, -110), "carina": (-4, -57), "right hilum": (-44, -18), "left hilum": (42, -30),
        "left ventricle": (60, 50), "right atrium": (-28, 30), "right lung": (-85, 10), "left lung": (95, -10)}),
    "LL": (("P", "F"), ("399173006", "left lateral"), "Lateral left", "084914", (320, 18, 3.1), 0.55, {
        "retrosternal space": (-62, -66), "retrocardiac space": (34, 50), "windpipe": (8, -104), "heart": (-40, 40)}),
}
HAND_ORIENTATION = ("L", "H")


def _chest_image(seed, view, processing=False):
    body, exposure = _chest(seed, view)
    orientation, code, series, start, (current, time, area), share, _ = VIEWS[view]
    ds = _object(seed, body, exposure, 3 if processing else 1 + list(VIEWS).index(view), processing)
    common.when(ds, body.DATE, "084655", start, start)
    ds.StudyDescription, ds.SeriesDescription = "XR CHEST PA/LAT", series + " raw" * processing
    _anatomy(ds, "CHEST", "816094009", "Chest", "U")
    ds.PositionerType = "COLUMN"
    ds.ViewPosition, ds.PatientOrientation = view, list(orientation)
    projection.view(ds, *code)
    _technique(ds, exposure, 125, current, time, area, 1800, 1500, ["RECIPROCATING", "FOCUSED"])
    ds.ExposureControlMode = "AUTOMATIC"
    if not processing:
        _shown(ds, exposure, 40, share, 1.3)
        if view == "PA":
            projection.came_from(ds, FOR_PROCESSING, f"{ds.StudyInstanceUID}.3.1")
    return ds


def _hand_image(seed):
    hand, exposure = _hand(seed)
    ds = _object(seed, hand, exposure, 1, False)
    common.when(ds, hand.DATE, "141802", "141931", "141931")
    ds.StudyDescription, ds.SeriesDescription = "XR HAND", "PA"
    _anatomy(ds, "HAND", "85562004", "Hand", hand.side)
    ds.PositionerType = "COLUMN"
    ds.ViewPosition = "PA"
    ds.PatientOrientation = list(HAND_ORIENTATION)
    projection.view(ds, "272479007", "postero-anterior")
    _technique(ds, exposure, 55, 200, 12, 0.06, 1100, 1070, "NONE")
    ds.ExposureControlMode = "MANUAL"
    _shown(ds, exposure, 36, 0.75, 1.3)
    return ds


def _chest_truth(seed, view, **more):
    body, exposure = _chest(seed, view)
    orientation, *_, spots = VIEWS[view]
    places = {name: exposure.pixel(*at) for name, at in spots.items()}
    places["right dome"] = exposure.pixel(-60 if view == "PA" else -16, 74 + body.breath)
    places["left dome"] = exposure.pixel(64 if view == "PA" else -8, 86 + body.breath)
    if view == "PA":
        more["cardiothoracic"] = _cardiothoracic(body)
    return exposure.told(view, "U", orientation, places, **more)


def _cardiothoracic(body):
    height = np.arange(20.0, 76.0, 0.5)
    left, right = _heart_borders(body, height)
    return round(float(left.max() + right.max()) / 260, 2)


def _hand_truth(seed):
    hand, exposure = _hand(seed)
    places = {name: hand.pixel((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for name, (a, b, *_) in LONG_BONES.items()}
    places |= {name: hand.pixel(*middle) for name, (middle, _) in CARPALS.items()} | {"pisiform": hand.pixel(*PISIFORM[:2])}
    return exposure.told("PA", hand.side, HAND_ORIENTATION, places)


def _square(centre, half):
    row, column = centre
    return (row - half, row + half, column - half, column + half)


def _chest_regions(seed):
    _, exposure = _chest(seed, "PA")
    spots = {"right lung": (-96, 22), "left lung": (100, 0), "heart": (46, 40), "liver": (-70, 165), "open air": (-165, -205)}
    return {name: _square(exposure.pixel(*at), 12) for name, at in spots.items()}


def _hand_regions(seed):
    hand, exposure = _hand(seed)
    spots = {"soft tissue": (14, 8), "shaft of metacarpal 3": (6, 4)}
    return {name: _square(hand.pixel(*at), 5) for name, at in spots.items()} | {"open air": _square((60, hand.COLUMNS // 4), 12)}


IMAGES = {
    "dx_chest_pa": lambda seed: _chest_image(seed, "PA"),
    "dx_chest_lat": lambda seed: _chest_image(seed, "LL"),
    "dx_chest_pa_processing": lambda seed: _chest_image(seed, "PA", True),
    "dx_hand": _hand_image,
}
REGIONS = {"dx_chest_pa": _chest_regions, "dx_chest_pa_processing": _chest_regions, "dx_hand": _hand_regions}
TRUTH = {
    "dx_chest_pa": lambda seed: _chest_truth(seed, "PA", partner="dx_chest_pa_processing"),
    "dx_chest_lat": lambda seed: _chest_truth(seed, "LL"),
    "dx_chest_pa_processing": lambda seed: _chest_truth(seed, "PA", partner="dx_chest_pa"),
    "dx_hand": _hand_truth,
}
