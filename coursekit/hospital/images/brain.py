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
        self.tumour = tumour

    def tissue(self, x, y, z):
        """The tissue at each point of a transverse slice: an int8 array. x, y : mm, arrays."""
        height = (z + 6) / 84
        factor = float(np.sqrt(max(1 - height * height, 0.02)))
        folds, wave = self._at(self.folds, x, y, factor), self._at(self.wave, x, y, factor)
        found = np.full(x.shape, AIR, np.int8)
        wide, long = 66 * factor + 6.5, 84 * factor + 6.5  # of the skull
        thick = 7 + 5 * (1 - factor)  # of the scalp, cut more aslant towards the vertex
        scalp = drawing.ellipse(x, y, 0, 0, wide + thick, long + thick)
        found[scalp < 1] = SKIN
        found[scalp < 0.982] = FAT
        found[(scalp < 0.965) & (np.abs(x) > 50) & (np.abs(y + 12) < 30) & (z < 22)] = MUSCLE
        skull = drawing.ellipse(x, y, 0, 0, wide, long)
        found[skull < 1] = BONE
        inner = drawing.ellipse(x, y, 0, 0, 66 * factor, 84 * factor)
        found[(skull < 0.965) & (inner > 1.028)] = MARROW
        found[inner < 1] = CSF
        self._hemispheres(found, x, y, z, factor, folds, wave)
        if self.tumour:
            self._growth(found, x, y, z, wave)
        return found

    def _at(self, field, x, y, factor):
        column = np.clip(np.round(x / factor + FIELD / 2), 0, FIELD - 1).astype(np.int64)
        row = np.clip(np.round(y / factor + FIELD / 2), 0, FIELD - 1).astype(np.int64)
        return field[row, column]

    def _hemispheres(self, found, x, y, z, factor, folds, wave):
        across = np.abs(x)
        depth = drawing.ellipse(x, y, 0, 0, 63.5 * factor, 81.5 * factor)
        brain = (depth < 1 - 0.012 * wave) & (across > 0.9)
        found[brain] = WHITE
        fold = np.abs(folds - 0.5)
        reach = drawing.soft(depth, 0.46 + 0.18 * wave, 0.66 + 0.14 * wave)
        grey = (depth > 0.93) | (fold < 0.21 * reach)
        split = (np.abs(y) > 34 + 8 * wave) | (z > 30)
        grey |= split & (across < 4.6 + 2 * wave)
        found[brain & grey] = GREY
        furrow = drawing.soft(depth, 0.60, 0.96)
        found[brain & (fold < 0.045 * furrow * reach)] = CSF
        found[brain & split & (across < 1.3)] = CSF
        if z < 26:
            self._sylvian(found, x, y, z, brain, wave)
        self._deep(found, x, y, z, brain)

    def _sylvian(self, found, x, y, z, brain, wave):
        for side in (-1, 1):
            out = side * x - 6 * (wave - 0.5) + 0.006 * (y + 4) * (y + 4)
            island = (out > 38) & (out < 41.5) & (np.abs(y + 4) < 22)
            found[brain & island] = GREY
            cleft = (out >= 41.5) & (out < 44) & (np.abs(y + 4) < 21)
            found[brain & cleft] = CSF
            found[brain & (out >= 44) & (out < 47.5) & (np.abs(y + 4) < 22)] = GREY
            mouth = (out >= 43) & (np.abs(y + 22 - 0.1 * out) < 1.3)
            found[brain & mouth] = CSF

    def _deep(self, found, x, y, z, brain):
        for side in (-1, 1):
            if -12 < z < 22:
                caudate = drawing.ellipse(x, y, side * 15, -22 + 0.3 * z, 5.5, 11, (0.95, side * 0.312))
                found[brain & (caudate < 1)] = DEEP
            if -14 < z < 15:
                shrink = 1 - z * z / 484
                found[brain & (drawing.ellipse(x, y, side * 27, -3, 6.5 * shrink, 17 * shrink, (0.98, side * 0.199)) < 1)] = DEEP
                found[brain & (drawing.ellipse(x, y, side * 11, 12, 9 * shrink, 13 * shrink, (0.95, -side * 0.312)) < 1)] = DEEP
            if -12 < z < 14:
                found[brain & (drawing.ellipse(x, y, side * 8.5, -24, 4.2, 13, (0.974, -side * 0.225)) < 1)] = CSF  # front horn
            if -6 < z < 18:
                found[brain & (drawing.ellipse(x, y, side * 22, 36, 5.5, 14, (0.958, -side * 0.287)) < 1)] = CSF  # atrium
            if 13 < z < 32:
                thin = 1 - (z - 20) * (z - 20) / 256
                body = drawing.ellipse(x, y, side * (9 + 0.1 * z), 2, 5.6 * thin, 34 * thin, (0.996, side * 0.087))
                found[brain & (body < 1)] = CSF
        if z < 10:
            found[(drawing.ellipse(x, y, 0, 8, 1.8, 11) < 1)] = CSF  # third ventricle
        if z < 30:
            bridge = (np.abs(x) < 12) & ((np.abs(y + 37 + 0.02 * x * x) < 3.4) | (np.abs(y - 26 - 0.02 * x * x) < 4))
            found[brain & bridge & (found != CSF)] = WHITE  # corpus callosum

    def _growth(self, found, x, y, z, wave):
        cx, cy, cz, radius, reach = self.tumour
        apart = np.sqrt((x - cx) ** 2 + (y - cy) ** 2 + (z - cz) * (z - cz))
        found[(apart < reach * (0.75 + 0.5 * wave)) & (found == WHITE)] = OEDEMA
        found[apart < radius] = TUMOUR
