"""The anatomy of a head from the basal ganglia to the vertex, as tissues at points in space: one head for MR and PET.

Coordinates are the patient's, in mm: x to the left, y to the back, z to the head; z = 0 at the thalami. One field of
folds, drawn once, is stretched over all slices, so that neighbouring slices agree and every modality sees the same.
"""

import numpy as np

from coursekit.hospital.images import drawing

AIR, SKIN, FAT, MUSCLE, BONE, MARROW, CSF, GREY, WHITE, DEEP, TUMOUR, OEDEMA = range(12)
TISSUES = 12
FIELD = 300  # mm, side of the square of the field of folds, 1 mm a pixel


class Head:
    """One person's head.

    draws  : chance, for the folds
    tumour : (x, y, z, radius of the tumour, radius of the oedema around it), or None
    """

    def __init__(self, draws, tumour=None):
        self.folds = drawing.clouds(draws, (FIELD, FIELD), 3)
        self.wave = drawing.clouds(draws, (FIELD, FIELD), 7)
        self.slow = drawing.clouds(draws, (FIELD, FIELD), 22)
        self.tumour = tumour

    def tissue(self, x, y, z):
        """The tissue at each point of a transverse slice: an int8 array. x, y : mm, arrays from ``drawing.grid``."""
        whole = np.full(x.shape, AIR, np.int8)
        (top, bottom), (left, right) = np.searchsorted(y[:, 0], (-104, 104)), np.searchsorted(x[0], (-92, 92))
        head = np.s_[top:bottom, left:right]  # all the rest is air
        self._draw(whole[head], x[head], y[head], z)
        return whole

    def _draw(self, found, x, y, z):
        height = (z + 6) / 84
        factor = float(np.sqrt(max(1 - height * height, 0.02)))
        folds, wave, slow = (self._at(field, x, y, factor) for field in (self.folds, self.wave, self.slow))
        inner = drawing.ellipse(_egg(x, y), y, 0, 0, 66 * factor, 84 * factor)
        self._wall(found, x, y, z, inner, slow, wave, factor)
        found[inner < 1] = CSF
        self._hemispheres(found, x, y, z, factor, folds, wave, slow)
        if self.tumour:
            self._growth(found, x, y, z, wave)

    def _at(self, field, x, y, factor):
        column = np.clip(np.round(x / factor + FIELD / 2), 0, FIELD - 1).astype(np.int64)
        row = np.clip(np.round(y / factor + FIELD / 2), 0, FIELD - 1).astype(np.int64)
        return field[row, column]

    def _wall(self, found, x, y, z, inner, slow, wave, factor):
        """Skull and scalp, measured outwards from the inside of the skull; both are cut more aslant towards the vertex."""
        out = np.sqrt(x * x + y * y) * (1 - 1 / np.maximum(inner, 0.5))
        aslant = 1 + 0.9 * (1 - factor)
        skull = aslant * (5.6 + 2.4 * (slow - 0.5) + 1.6 * drawing.soft(np.abs(y), 40, 84))
        temple = 4.6 * (1 - drawing.soft(np.abs(y + 12), 4, 44)) * (1 - float(drawing.soft(z, 2, 38))) * (np.abs(x) > 30)
        fat = aslant * (1.7 + 1.6 * (slow - 0.5) + 1.3 * drawing.soft(y, 20, 84) + 0.8 * (wave - 0.5))
        edge = skull + temple + fat
        found[out < edge + 1.7] = SKIN
        found[out < edge] = FAT
        found[out < skull + temple] = MUSCLE
        found[out < skull] = BONE
        marrow = (out > 1.5) & (out < skull - 1.6) & (wave + 0.35 * drawing.soft(np.abs(y), 30, 70) > 0.34)
        found[marrow] = MARROW

    def _hemispheres(self, found, x, y, z, factor, folds, wave, slow):
        middle = 3.2 * (self._at(self.slow, 0 * x + 20, y, factor) - 0.5) * drawing.soft(np.abs(y), 14, 44)
        across = np.abs(x - middle)
        depth = drawing.ellipse(_egg(x, y), y, 0, 0, 63.8 * factor, 81.8 * factor)
        brain = depth < 1 - 0.016 * wave
        found[brain] = WHITE
        fold = np.abs(folds - 0.5)
        reach = drawing.soft(depth, 0.46 + 0.18 * wave, 0.66 + 0.14 * wave)
        grey = (depth > 0.945 - 0.02 * slow) | (fold < 0.21 * reach)
        split = 1.0 if z > 30 else drawing.soft(np.abs(y), 33 + 6 * wave, 42 + 6 * wave)  # above the corpus callosum, all along
        grey |= across < (4.2 + 2 * wave) * split
        found[brain & grey] = GREY
        furrow = drawing.soft(depth, 0.60, 0.96)
        found[brain & (fold < 0.045 * furrow * reach)] = CSF
        found[brain & (across < (0.1 + 1.0 * slow + 1.1 * wave) * split)] = CSF
        if z < 26:
            self._sylvian(found, x, y, z, brain, wave)
        self._deep(found, x, y, z, brain, wave)

    def _sylvian(self, found, x, y, z, brain, wave):
        """The cleft at the side, and the island of cortex at its bottom."""
        for side in (-1, 1):
            out, bend = side * x + 3.0 * (wave - 0.5), y + 4.0 * (wave - 0.5) + 0.3 * z
            island = [(41.0, -21.0, 0.6), (43.2, -12.0, 1.1), (43.6, 0.0, 1.3), (41.5, 11.0, 0.9), (38.5, 19.0, 0.3)]
            mouth = [(42.0, -18.0, 0.9), (48.0, -21.5, 1.0), (55.0, -22.5, 1.0), (64.0, -27.0, 1.4)]
            away = np.min([_beside(out, bend, one, other) for line in (island, mouth) for one, other in zip(line, line[1:], strict=False)],
                          axis=0)
            found[brain & (away < 3.0)] = GREY
            found[brain & (away < 0)] = CSF

    def _deep(self, found, x, y, z, brain, wave):
        """Basal ganglia, thalami, corpus callosum, ventricles; between the nuclei the white matter of the internal capsule stays."""
        ripple = 0.16 * (wave - 0.5)
        for side in (-1, 1):
            if -14 < z < 20:
                caudate = drawing.ellipse(x, y, side * 13.5, -22 + 0.3 * z, 4.8, 9.5, (0.95, side * 0.312)) + ripple
                found[brain & (caudate < 1)] = DEEP
            if 12 < z < 28:
                tail = drawing.ellipse(x, y, side * 16.5, -4 + 0.2 * z, 2.6, 15.0, (0.99, -side * 0.14)) + ripple
                found[brain & (tail < 1)] = DEEP
            if -16 < z < 15:
                shrink = 1 - z * z / 484
                lens = drawing.ellipse(x, y, side * 26, -5, 6.8 * shrink, 16.5 * shrink, (0.97, side * 0.243)) + ripple
                found[brain & (lens < 1)] = DEEP
                pale = (lens < 0.94) & (np.abs(side * x - 23.4 - 0.25 * (y + 5)) < 0.6)
                found[brain & pale] = WHITE
                thalamus = drawing.ellipse(x, y, side * 10.5, 12, 8.4 * shrink, 13 * shrink, (0.93, -side * 0.367)) + ripple
                found[brain & (thalamus < 1)] = DEEP
        if z < 32:
            bend = 0.022 * x * x
            front = (np.abs(x) < 15) & (np.abs(y + 38 - 0.35 * max(z, 0) / 3 - bend) < 3.2 + 2 * ripple)
            rear = (np.abs(x) < 17) & (np.abs(y - 27 - bend) < 3.8 + 2 * ripple)
            found[brain & (front | rear)] = WHITE
        for side in (-1, 1):
            for line in _ventricle(z):
                away = np.min([_beside(side * x, y, one, other) for one, other in zip(line, line[1:], strict=False)], axis=0)
                found[brain & (away + 2.5 * ripple < 0)] = CSF
        if z < 10:
            found[(drawing.ellipse(x, y, 0, 8, 1.7, 11) + ripple < 1)] = CSF  # third ventricle

    def _growth(self, found, x, y, z, wave):
        cx, cy, cz, radius, reach = self.tumour
        apart = np.sqrt((x - cx) ** 2 + (y - cy) ** 2 + (z - cz) * (z - cz))
        found[(apart < reach * (0.75 + 0.5 * wave)) & (found == WHITE)] = OEDEMA
        found[apart < radius] = TUMOUR


def _egg(x, y):
    """x, stretched in front: a head is narrower there."""
    return x * (1 + 0.10 * drawing.soft(-y, -20, 90) + 0.05 * drawing.soft(y, 20, 90))


def _ventricle(z):
    """The left lateral ventricle in a slice: lines of points (x, y, half width), mm."""
    if z < -12 or z > 34:
        return []
    if z < 12:  # frontal horn; atrium and occipital horn
        thin = 1 - 0.02 * abs(z)
        return [[(12.5, -37.0, 1.4 * thin), (9.5, -32.0, 3.0 * thin), (6.0, -22.0, 2.6 * thin), (3.6, -13.0, 1.2 * thin)],
                [(17.0, 24.0, 2.4 * thin), (22.5, 32.0, 4.2 * thin), (24.5, 42.0, 2.8 * thin), (22.5, 53.0, 0.9 * thin)]]
    thin = float(1 - drawing.soft(z, 25, 36) * 0.7)
    body = [(12.5, -33.0, 1.5), (9.0, -26.0, 3.4), (8.2, -12.0, 3.4), (9.8, 2.0, 3.7), (12.0, 13.0, 3.6)]
    rear = [(12.0, 13.0, 3.6), (15.5, 24.0, 4.0), (19.0, 34.0, 2.6), (20.5, 42.0, 0.8)] if z < 24 else [
        (12.0, 13.0, 3.6), (14.0, 22.0, 1.4)]
    return [[(a, b, half * thin) for a, b, half in line] for line in (body, rear)]


def _beside(x, y, one, other):
    """How far each place lies outside a stroke from one point (x, y, half width) to another, mm."""
    dx, dy = other[0] - one[0], other[1] - one[1]
    t = np.clip(((x - one[0]) * dx + (y - one[1]) * dy) / (dx * dx + dy * dy), 0, 1)
    u, v = x - one[0] - t * dx, y - one[1] - t * dy
    return np.sqrt(u * u + v * v) - one[2] - (other[2] - one[2]) * t
