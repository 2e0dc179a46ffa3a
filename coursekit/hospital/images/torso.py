"""The anatomy of a chest and upper abdomen, as tissues at points in space: one body for CT and PET to look at.

Coordinates are the patient's, in mm: x to the left, y to the back, z to the head; the bifurcation of the windpipe lies at
z = 0 near x = y = 0. The shapes are cartoons: spheres, ellipses, tubes.
"""

import numpy as np

from coursekit.hospital.images import drawing

(AIR, FAT, MUSCLE, LUNG, BONE, MARROW, BLOOD, MYOCARDIUM, LIVER, SPLEEN, STOMACH, KIDNEY, CARTILAGE, DISC, CANAL, LESION,
 NODE, SHELL, FOAM) = range(19)
TISSUES = 19
RIB_EVERY, VERTEBRA_EVERY = 27.0, 25.0


class Torso:
    """One person's torso.

    draws   : chance, for the branching of the lung vessels
    size    : of the person, 1.0 as described
    lesions : (x, y, z, radius, tissue) of spheres
    """

    def __init__(self, draws, size=1.0, lesions=()):
        self.size, self.lesions = size, lesions
        self.vessels = [tube for side in (-1, 1) for tube in _tree(draws, side)]

    def tissue(self, x, y, z, spacing):
        """The tissue at each point of a transverse slice: an int8 array.

        x, y : mm, arrays from ``drawing.grid(rows, columns, spacing)``
        """
        bed = _bed(x, y)
        x, y, z, spacing = x / self.size, y / self.size, z / self.size, spacing / self.size
        found = np.full(x.shape, AIR, np.int8)
        found[:] = bed
        _wall(found, x, y, z)
        cavity = _cavity(x, y, z)
        inside = cavity < 1
        found[inside] = FAT
        lung = np.zeros(x.shape, bool)
        for side in (-1, 1):
            lung |= _lung(x, y, z, side, inside, cavity)
        found[lung] = LUNG
        _abdomen(found, x, y, z, inside & ~lung, cavity)
        _mediastinum(found, x, y, z)
        _bones(found, x, y, z, cavity)
        for tube in self.vessels:
            _draw_tube(found, x, y, z, spacing, tube)
        for cx, cy, cz, radius, tissue in self.lesions:
            found[(x - cx) ** 2 + (y - cy) ** 2 + (z - cz) * (z - cz) < radius * radius] = tissue
        return found


def _step(value, low, high):
    """`drawing.soft` of one number."""
    return float(drawing.soft(value, low, high))


def _bed(x, y):
    """The table under the patient: a shell around foam."""
    table = drawing.ellipse(x, y, 0, 30, 215, 132)
    under = (table < 1) & (y > 60)
    return np.where(under & (table > 0.975), SHELL, np.where(under & (y > 118), FOAM, AIR))


def _wall(found, x, y, z):
    """Skin, fat and muscle."""
    wide = 170 - 16 * _step(z, 30, 130) - 6 * _step(-z, 90, 200)
    deep = 119 - 10 * _step(z, 30, 130)
    u, v = np.abs(x) / wide, np.abs(y - 4) / deep
    body = np.sqrt(np.sqrt(u * u * u * u + v * v * v * v + 1.1 * u * u * v * v))
    found[body < 1] = MUSCLE
    found[body < 0.985] = FAT
    front = 0.020 * (y < 0)
    found[body < 0.90 - front] = MUSCLE
    # A seam of fat between the muscles of the side.
    seam = (np.abs(body - 0.83) < 0.012) & (np.abs(y + 5) < 75)
    found[seam] = FAT


def _cavity(x, y, z):
    """Below 1 inside the ribs, growing outwards."""
    narrowing = _narrowing(z)
    return drawing.ellipse(x, y, 0, 4, 34 + 96 * narrowing, 40 + 50 * narrowing)


def _narrowing(z):
    """How wide the rib cage is, from 1 below to almost 0 at its top."""
    rise = min(max((z + 60) / 178, 0.0), 0.985)
    return float(np.sqrt(1 - rise * rise))


def _diaphragm(x, y, side):
    """How high the diaphragm lies at (x, y)."""
    top, middle = (-86.0, -64.0) if side < 0 else (-98.0, 66.0)
    return top - ((x - middle) ** 2 + (y + 12) ** 2) / 118


def _lung(x, y, z, side, inside, cavity):
    across = side * x
    middle = 4 + 29 * drawing.soft(62 - np.abs(y + 4), 0, 44) + 14 * _step(z, 45, 105)
    middle = np.where(y > 24, 0, middle)
    lung = inside & (cavity < 0.985) & (across > middle) & (z > _diaphragm(x, y, side))
    lung &= drawing.ellipse(x, y, 0, 58, 27 + 4 * _step(z, 60, 110), 46) > 1
    if side > 0 or z < 0:
        lung &= _heart(x, y, z) > 1.06
    return lung


def _heart(x, y, z):
    height = (z + 74) / 56
    shrink = 1 - height * height
    if shrink <= 0.02:
        return np.full(x.shape, 9.0)
    factor = float(np.sqrt(shrink))
    return drawing.ellipse(x, y, 24, -26, 64 * factor, 46 * factor, (0.845, -0.535))


def _abdomen(found, x, y, z, here, cavity):
    """What lies below the diaphragm."""
    if z > -84:
        return
    below_right, below_left = z < _diaphragm(x, y, -1), z < _diaphragm(x, y, 1)
    here = here & (cavity < 0.97)
    low = _step(-z, 90, 130)
    liver = here & below_right & (x < 12 + 52 * low - 1.25 * np.clip(y + 25, 0, None))
    liver &= drawing.ellipse(x, y, 2, 66, 34, 40) > 1
    found[liver] = LIVER
    stomach = drawing.ellipse(x, y, 66, -18, 36, 46, (0.94, 0.342))
    inside = here & below_left & (stomach < 1) & ~liver
    found[inside] = MUSCLE
    found[inside & (stomach < 0.9)] = STOMACH
    found[inside & (stomach < 0.9) & (y < -34)] = AIR
    spleen = here & below_left & (drawing.ellipse(x, y, 96, 44, 22, 42, (0.91, -0.415)) < 1)
    found[spleen] = SPLEEN
    if z < -150:
        for side in (-1, 1):
            tall = (z + 205) / 55
            if tall * tall < 1:
                part = float(np.sqrt(1 - tall * tall))
                kidney = drawing.ellipse(x, y, side * 57, 54, 27 * part, 31 * part, (0.9, -side * 0.436))
                found[here & (kidney < 1)] = KIDNEY
                found[here & (drawing.ellipse(x, y, side * 46, 50, 13 * part, 9 * part) < 1)] = FAT
    if z < -105:
        found[drawing.ellipse(x, y, -10, 40, 8, 16, (0.94, 0.342)) < 1] = MUSCLE  # crura
        found[drawing.ellipse(x, y, 20, 42, 6, 14, (0.94, -0.342)) < 1] = MUSCLE


def _mediastinum(found, x, y, z):
    """Heart, great vessels, windpipe, gullet."""
    heart = _heart(x, y, z)
    found[heart < 1] = MYOCARDIUM
    if -128 < z < -22:
        chambers = [(-14, -22, 22, 27), (16, -46, 27, 17)]  # right atrium, right ventricle
        if z > -72:
            chambers.append((14, 6, 27, 15))  # left atrium
        for cx, cy, a, b in chambers:
            found[(drawing.ellipse(x, y, cx, cy, a, b, (0.9, -0.436)) < 1) & (heart < 0.94)] = BLOOD
        if z < -48:
            found[(drawing.ellipse(x, y, 47, -22, 26, 16, (0.86, -0.51)) < 1) & (heart < 0.84)] = BLOOD  # left ventricle

    def tube(cx, cy, radius, tissue=BLOOD):
        found[(x - cx) ** 2 + (y - cy) ** 2 < radius * radius] = tissue

    if z < 28:
        tube(24 - 14 * _step(-z, 60, 160), 40, 12.5)  # descending aorta
    if 16 < z < 36:
        arch = drawing.ellipse(x, y, 8, 8, 40, 14, (0.6, 0.8))
        found[(arch < 1)] = BLOOD
    if -52 < z < 26:
        tube(-12, -24, 16)  # ascending aorta
    if -42 < z < -4:
        tube(16, -30, 15)  # pulmonary trunk
        if -26 < z < -4:
            found[drawing.ellipse(x, y, -10, 0, 36, 8.5, (0.985, 0.17)) < 1] = BLOOD  # right pulmonary artery
            found[drawing.ellipse(x, y, 30, -8, 9, 22, (0.94, 0.342)) < 1] = BLOOD
    if -50 < z < 70:
        tube(-30, -20, 9)  # superior vena cava
    if z < -118:
        tube(-24, 22, 12)  # inferior vena cava
    if z >= 36:
        for cx, cy, radius in ((-14, -14, 6.5), (4, -10, 5), (18, -2, 5.5), (-30, -26, 7.5), (26, -28, 7)):
            spread = 1 + 0.004 * (z - 36)
            tube(cx * spread, cy, radius)
    tube(6, 33, 6.5, MUSCLE)  # gullet
    if z > -4:
        tube(0, 10, 11, MUSCLE)
        tube(0, 10, 9, AIR)
    elif z > -46:
        away = 10 - 0.62 * z
        for side, radius in ((-1, 7.5), (1, 6.5)):
            tube(side * away, 12, radius + 1.5, MUSCLE)
            tube(side * away, 12, radius, AIR)


def _bones(found, x, y, z, cavity):
    # Ribs: plates that slope down to the front, cut by the slice.
    shell = (cavity > 1.02) & (cavity < 1.105)
    place = (z - 0.42 * (y - 90)) / RIB_EVERY
    phase = np.abs(place - np.floor(place) - 0.5)
    rib = shell & (phase > 0.29) & (np.abs(x) > 20)
    cartilage = (y < -48) & (np.abs(x) < 74)
    found[rib & cartilage] = CARTILAGE
    found[rib & ~cartilage] = BONE
    found[rib & ~cartilage & (cavity > 1.045) & (cavity < 1.08) & (phase > 0.35)] = MARROW
    front = -4 - 0.94 * (40 + 50 * _narrowing(z))
    if -95 < z < 82:
        sternum = drawing.ellipse(x, y, 0, front - 4, 21 + 8 * _step(z, 45, 75), 7.5)
        found[sternum < 1] = BONE
        found[sternum < 0.8] = MARROW
    # Shoulder blades, the arms being raised.
    if z > 5:
        for side in (-1, 1):
            out = side * (122 - 0.10 * z)
            blade = drawing.ellipse(x, y, out, 56, 36 - 0.1 * z, 4.2, (0.58, side * -0.815))
            found[blade < 1] = BONE
    # The spine.
    level = z / VERTEBRA_EVERY
    part = level - np.floor(level)
    body = drawing.ellipse(x, y, 0, 60, 18.5, 15)
    if part < 0.2:
        found[body < 1] = DISC
    else:
        found[body < 1] = BONE
        found[body < 0.9] = MARROW
    arch = drawing.ellipse(x, y, 0, 83, 15, 13)
    found[arch < 1] = BONE
    if 0.3 < part < 0.75:
        found[(np.abs(y - 84 - 0.15 * np.abs(x)) < 5) & (np.abs(x) < 33)] = BONE
        found[(np.abs(y - 84 - 0.15 * np.abs(x)) < 2.6) & (np.abs(x) < 31)] = MARROW
    found[(np.abs(x) < 3.4) & (y > 92) & (y < 112)] = BONE
    found[drawing.ellipse(x, y, 0, 82, 9.5, 8) < 1] = CANAL


def _tree(draws, side):
    """The vessels of one lung: tubes (start, end, radius at the start, at the end), each point (x, y, z)."""
    tubes = []
    aims = [(dx, dy, dz) for dz in (75, 40, 5, -32, -66) for dx, dy in ((52, -52), (78, 6), (46, 58))]
    for dx, dy, dz in aims:
        root = np.array([side * 34.0, 2.0, -14.0])
        end = root + np.array([side * (dx + draws.one(-9, 9)), dy + draws.one(-9, 9), dz + draws.one(-9, 9)]) * 0.88
        _branch(draws, tubes, root, end, 4.6, 4)
    return tubes


def _branch(draws, tubes, start, end, radius, depth):
    """A tube that bends half way and gives off two more there."""
    middle = start + (end - start) * 0.45 + np.array([draws.one(-6, 6) for _ in range(3)])
    tubes.append((start, middle, radius, radius * 0.76))
    tubes.append((middle, end, radius * 0.76, radius * 0.34))
    if depth > 1:
        for _ in range(2):
            away = (end - middle) * 0.8 + np.array([draws.one(-26, 26) for _ in range(3)])
            _branch(draws, tubes, middle, middle + away, radius * 0.62, depth - 1)


def _draw_tube(found, x, y, z, spacing, tube):
    """Put one vessel into the slice, in lung only."""
    start, end, first, last = tube
    reach = first + spacing
    if not min(start[2], end[2]) - reach < z < max(start[2], end[2]) + reach:
        return
    left, top = x[0, 0], y[0, 0]
    a = max(int((min(start[0], end[0]) - reach - left) / spacing), 0)
    b = max(int((max(start[0], end[0]) + reach - left) / spacing) + 2, 0)
    c = max(int((min(start[1], end[1]) - reach - top) / spacing), 0)
    d = max(int((max(start[1], end[1]) + reach - top) / spacing) + 2, 0)
    px, py = x[c:d, a:b] - start[0], y[c:d, a:b] - start[1]
    pz = z - start[2]
    way = end - start
    squared = float(way[0] * way[0] + way[1] * way[1] + way[2] * way[2])
    t = np.clip((px * way[0] + py * way[1] + pz * way[2]) / squared, 0, 1)
    apart = (px - t * way[0]) ** 2 + (py - t * way[1]) ** 2 + (pz - t * way[2]) ** 2
    radius = first + (last - first) * t
    part = found[c:d, a:b]
    part[(apart < radius * radius) & (part == LUNG)] = BLOOD
