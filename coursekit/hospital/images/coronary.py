"""One coronary artery with one narrowing: what angiogram, intravascular ultrasound and optical coherence tomography look at.

It is the left anterior descending artery of the story's patient P3, examined in the cath lab on one morning. Places
along it are in mm from its origin at the left main stem. The lumen is round, so that its area follows from its diameter.
"""

import numpy as np

from coursekit.hospital.draws import Draws
from coursekit.hospital.images import common, drawing

DATE = "20250320"
PI = 3.141592653589793


class Artery:
    """The artery of one edition.

    reference : diameter of the healthy lumen at the narrowing, mm
    narrowest : diameter of the lumen where it is smallest (MLD), mm
    middle    : where that is, mm from the origin
    half      : how far the narrowing reaches to each side, mm
    side      : direction in which the plaque is thickest, degrees clockwise from the top of a cross-section
    cap       : thickness of the fibrous cap over its lipid, mm
    """

    def __init__(self, seed):
        draws = Draws(seed, "coronary artery")
        tenths = (30, 13, 26, 55, 235, 11) if seed == 0 else (
            draws.one(28, 32), draws.one(13, 15), draws.one(23, 29), draws.one(45, 60), draws.one(0, 359), draws.one(9, 14))
        self.reference, self.narrowest, self.middle = tenths[0] / 10, tenths[1] / 10, float(tenths[2])
        self.half, self.side, self.cap = tenths[3] / 10, float(tenths[4]), tenths[5] / 100

    def healthy(self, place):
        """Diameter of the lumen, mm, as it would be without the narrowing; `place` is a number or an array, mm."""
        return self.reference * (1.0 - 0.0075 * (place - self.middle))

    def lumen(self, place):
        """Diameter of the lumen, mm."""
        away = np.abs(place - self.middle) / self.half
        depth = 1.0 - self.narrowest / self.reference
        return self.healthy(place) * (1.0 - depth * (1.0 - drawing.soft(away, 0.06, 1.0)))

    def vessel(self, place):
        """Diameter of the outer edge of the media, mm: a little wider than the healthy lumen, and swollen at the plaque."""
        away = np.abs(place - self.middle) / (1.5 * self.half)
        return self.healthy(place) * (1.16 + 0.10 * (1.0 - drawing.soft(away, 0.0, 1.0)))

    def told(self):
        """What is true of the narrowing, for the TRUTH of each image of it."""
        reference = float(self.healthy(self.middle))
        return {
            "MLD": self.narrowest, "MLA": round(PI / 4 * self.narrowest**2, 3),
            "reference": reference, "reference_area": round(PI / 4 * reference**2, 3),
            "diameter_stenosis": round(100 * (1 - self.narrowest / reference), 1),
            "area_stenosis": round(100 * (1 - (self.narrowest / reference) ** 2), 1),
            "lesion": self.middle,
        }


def directions(count):
    """Cosine and sine of `count` equal steps around a circle, from 0: two float arrays.

    By halving angles and adding them up from a series: the same on every machine, which numpy does not promise of its own.
    """
    angle = 2.0 * PI * np.arange(count) / count
    small = angle / 64.0
    square = small * small
    sine = small * (1 - square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72))))
    cosine = 1 - square / 2 * (1 - square / 12 * (1 - square / 30 * (1 - square / 56)))
    for _ in range(6):
        sine, cosine = 2 * sine * cosine, cosine * cosine - sine * sine
    return cosine, sine


class Catheter:
    """A probe inside the artery, pulled back in steps: where it is at each stored frame, and what lies around it.

    A guide wire runs beside it in the lumen. Vectors from the probe are (up, right) in the picture of the cross-section,
    in mm; directions are whole degrees clockwise from the top.

    artery : the Artery
    radius : of the probe, mm
    turn   : direction of the wire in the first frame
    first  : place of the first frame, mm from the artery's origin
    step   : mm from one moving frame to the next, towards the origin
    frames : how many there are
    start, stop : numbers, from 1, of the frames between which the motor pulls
    """

    WIRE = 0.178  # mm: radius of a guide wire of 0.014 inch

    def __init__(self, artery, radius, turn, first, step, frames, start, stop):
        self.artery, self.radius, self.turn = artery, radius, turn
        self.first, self.step, self.frames, self.start, self.stop = first, step, frames, start, stop

    def place(self, frame):
        """Where the probe is at frame `frame`, counted from 1: mm from the artery's origin."""
        return self.first - self.step * (min(max(frame, self.start), self.stop) - self.start)

    def wire(self, frame):
        """Direction of the guide wire; the probe turns a little as it is pulled."""
        return (self.turn + 6 * (min(max(frame, self.start), self.stop) - self.start)) % 360

    def middles(self, frame):
        """The middle of the lumen and of the vessel."""
        lumen, vessel = (float(part(self.place(frame))) / 2 for part in (self.artery.lumen, self.artery.vessel))
        up, right = heading(self.wire(frame))
        free = lumen - self.radius
        away = max(0.4 * free, min(self.radius + 2 * self.WIRE + 0.01 - lumen, free))  # room for the wire
        side_up, side_right = heading(self.artery.side)
        push = 0.62 * (vessel - lumen)
        inner = (away * up, away * right)
        return inner, (inner[0] + push * side_up, inner[1] + push * side_right)

    def edges(self, frame, cosine, sine):
        """Distance from the probe to the edge of the lumen and of the vessel along each direction, mm."""
        inner, outer = self.middles(frame)
        place = self.place(frame)
        return rim(self.artery.lumen(place) / 2, inner, cosine, sine), rim(self.artery.vessel(place) / 2, outer, cosine, sine)

    def table(self):
        """For each frame its place, the lumen's diameter and area: a list of (mm, mm, mm²)."""
        rows = []
        for frame in range(1, self.frames + 1):
            place = self.place(frame)
            lumen = float(self.artery.lumen(place))
            rows.append((round(place, 3), round(lumen, 3), round(PI / 4 * lumen * lumen, 3)))
        return rows

    def told(self, size, spacing):
        """What is true of the pullback, for TRUTH; `size` and `spacing` of the square picture in pixels and mm."""
        table = self.table()
        areas = [area for _, _, area in table]
        middle = (size - 1) / 2
        pixels = []
        for frame in range(1, self.frames + 1):
            up, right = self.middles(frame)[0]
            pixels.append((round(middle - up / spacing, 1), round(middle + right / spacing, 1)))
        return {
            **self.artery.told(), "spacing": spacing, "step": self.step, "start": self.start, "stop": self.stop,
            "length": round(self.step * (self.stop - self.start), 3), "frames": table, "peak": areas.index(min(areas)) + 1,
            "middle": pixels, "wire": [self.wire(frame) for frame in range(1, self.frames + 1)], "plaque": self.artery.side,
        }


def turned(lines, degrees):
    """How far each of `lines` scan lines lies from a direction, in degrees, 0 to 180."""
    apart = np.abs(np.arange(lines) * (360.0 / lines) - degrees % 360)
    return np.minimum(apart, 360 - apart)


def speckle(draws, shape, across, along):
    """The strength of echoes from fine tissue, mean 1, over (lines, samples): Rayleigh distributed.

    across, along : over how many lines and samples to each side it is smeared; the last line joins the first
    """
    total = 0.0
    for _ in range(2):
        part = drawing.normal(draws, shape)
        for axis, reach in ((0, across), (1, along)):
            part = sum(np.roll(part, step, axis=axis) for step in range(-reach, reach + 1)) / np.sqrt(2.0 * reach + 1)
        total = total + part * part
    return np.sqrt(total) / 1.2533141373155003


def wavy(draws, lines, reach, amount):
    """A smooth random line around the circle, between about -amount and amount; `reach` is in lines."""
    steps = draws.between(-1000, 1000, lines) / 1000.0
    for _ in range(3):
        steps = sum(np.roll(steps, step) for step in range(-reach, reach + 1)) / (2 * reach + 1)
    highest = float(np.abs(steps).max())
    return steps * (amount / highest)


def polar(size, spacing, lines, depth):
    """Where each pixel of a square cross-section lies in polar data, for `scan`.

    size, spacing : pixels along an edge; mm
    lines  : scan lines around; the first points up, the others follow clockwise
    depth  : samples along a line
    Gives the distance of each pixel from the middle in mm, and its place among lines and samples as whole numbers and
    the fractions beyond them.
    """
    x, y = drawing.grid(size, size, spacing)
    distance = np.sqrt(x * x + y * y)
    cosine, sine = directions(4 * lines)
    # The angle by its tangent within one eighth of the circle, looked up among directions known exactly.
    up, side = np.abs(y), np.abs(x)
    low, high = np.minimum(up, side), np.maximum(up, side)
    tangents = sine[: lines // 2 + 1] / cosine[: lines // 2 + 1]
    slope = low / np.maximum(high, 1e-12)
    at = np.clip(np.searchsorted(tangents, slope, side="right") - 1, 0, lines // 2 - 1)
    part = (at + (slope - tangents[at]) / (tangents[at + 1] - tangents[at])) / 4.0  # in lines, 0 to lines / 8
    quarter = np.where(side <= up, part, lines / 4 - part)  # from the vertical
    half = np.where(y <= 0, quarter, lines / 2 - quarter)
    turn = np.where(x >= 0, half, lines - half)
    along = np.clip(distance / (size / 2 * spacing) * depth, 0, depth - 1.001)
    line, sample = np.floor(turn).astype(np.int64), np.floor(along).astype(np.int64)
    return distance, (line % lines, sample, turn - line, along - sample)


def scan(data, where):
    """Polar `data` (lines, samples) at the pixels of a cross-section, by linear interpolation; `where` is from `polar`."""
    line, sample, across, along = where
    beside = (line + 1) % data.shape[0]
    near = data[line, sample] * (1 - along) + data[line, sample + 1] * along
    far = data[beside, sample] * (1 - along) + data[beside, sample + 1] * along
    return near * (1 - across) + far * across


def rim(radius, away, cosine, sine):
    """Distance from a point inside a circle to its edge, along each direction.

    radius : of the circle; `away` is the vector (up, right) from the point to the circle's middle
    """
    along = away[0] * cosine + away[1] * sine
    across = away[0] * away[0] + away[1] * away[1] - along * along
    return along + np.sqrt(np.maximum(radius * radius - across, 0.0))


def heading(degrees):
    """Cosine and sine of a direction in whole degrees clockwise from the top: (up, right)."""
    cosine, sine = directions(360)
    return float(cosine[int(degrees) % 360]), float(sine[int(degrees) % 360])


def identify(ds, seed, number, time, description, series):
    """Patient, study and times of one of P3's examinations; `number` as in `common.ordered`, `time` HHMMSS."""
    common.story_person(ds, seed, "P3")
    ds.AccessionNumber = common.ordered(DATE, number)[1]
    ds.StudyID = f"{DATE[3:]}{number}"
    common.when(ds, DATE, time, time, common.clock_time(time, 312))
    ds.StudyDescription, ds.SeriesDescription, ds.BodyPartExamined = description, series, "CORONARYARTERY"
    ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = 1, 1, 1
    ds.PatientOrientation = ""


def study(number):
    """Study, Series and SOP Instance UID of the examination `number`."""
    uid = common.ordered(DATE, number)[0]
    return uid, f"{uid}.1", f"{uid}.1.1"
