"""A small part of the POSIX shell and its utilities (IEEE Std 1003.1), carried out on a tree of files in memory.

What is typed reaches no file and no program of the machine that it runs on, and the answer is the same on every operating system. Utilities
behave as those of GNU do in the C locale, as far as they go; what they do not know they refuse with a sentence of their own, which begins
with "this shell". Lists of names are sorted, and `ls` writes one name a line.
"""

from coursekit.standards.shell.base import Failed, Node
from coursekit.standards.shell.session import Output, Shell

__all__ = ["Failed", "Node", "Output", "Shell"]
