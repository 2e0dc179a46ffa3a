"""The Grayscale Standard Display Function of DICOM PS3.14: from the index of a just noticeable difference to luminance, and back.

The index j counts steps that an average eye can just tell apart, from 1 (0.05 cd/m2) to 1023 (nearly 4000 cd/m2). A display follows the
function when equal steps of its input (P-values) are equal steps of j. Luminance means all light that reaches the eye, the room's
light that the screen reflects included.
"""

import math

FIRST, LAST = 1, 1023

# The factors of equation 7-2, of the powers 0 to 8 of log10(luminance).
COEFFICIENTS = (71.498068, 94.593053, 41.912053, 9.8247004, 0.28175407, -1.1878455, -0.18014349, 0.14710899, -0.017046845)


def luminance(j):
    """Luminance in cd/m2 of the just noticeable difference with index `j`, 1 to 1023: PS3.14 equation 7-1."""
    x = math.log(j)
    above = -1.3011877 + x * (8.0242636e-2 + x * (1.3646699e-1 + x * (-2.5468404e-2 + x * 1.3635334e-3)))
    below = 1 + x * (-2.5840191e-2 + x * (-1.0320229e-1 + x * (2.8745620e-2 + x * (-3.1978977e-3 + x * 1.2992634e-4))))
    return 10 ** (above / below)


def index(cd):
    """The index of the just noticeable difference at luminance `cd`, in cd/m2: PS3.14 equation 7-2."""
    x, total = math.log10(cd), 0.0
    for factor in reversed(COEFFICIENTS):
        total = total * x + factor
    return total


def between(lowest, highest, count):
    """The `count` luminances, in cd/m2, that the function wants from `lowest` to `highest`: equal steps of the index, a list."""
    first, last = index(lowest), index(highest)
    return [luminance(first + (last - first) * step / (count - 1)) for step in range(count)]
