"""What shell and utilities have in common: files in memory, and how they say no."""

import datetime
import re
from re import _parser
from typing import NamedTuple

ENOENT, EACCES, ENOTDIR, EISDIR, ELOOP = (
    "No such file or directory", "Permission denied", "Not a directory", "Is a directory", "Too many levels of symbolic links")
CLASSES = {"alnum": "a-zA-Z0-9", "alpha": "a-zA-Z", "digit": "0-9", "lower": "a-z", "upper": "A-Z", "space": " \\t\\n\\r\\f\\v",
           "blank": " \\t", "punct": "!-/:-@\\[-`{-~", "xdigit": "0-9A-Fa-f"}


class Node(NamedTuple):
    """A file ('f'), a folder ('d') or a symbolic link ('l'). `when` is a datetime, `mode` a number as chmod takes it."""

    kind: str
    content: bytes
    mode: int
    owner: str
    group: str
    when: datetime.datetime
    target: str = ""


class Failed(Exception):
    """A path that cannot be used, and why, in the system's words."""

    def __init__(self, path, why):
        super().__init__(path, why)
        self.path, self.why = path, why


ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
MANY = 10                                       # so often is "again and again" for `checked`


def mode_text(node):
    """The ten characters with which `ls -l` begins."""
    bits = "".join(letter if node.mode >> (8 - place) & 1 else "-" for place, letter in enumerate("rwxrwxrwx"))
    if node.mode & 0o1000:                      # the sticky bit, as on /tmp
        bits = bits[:-1] + ("t" if bits[-1] == "x" else "T")
    return {"f": "-", "d": "d", "l": "l"}[node.kind] + bits


def size_of(node):
    return 4096 if node.kind == "d" else len(node.target) if node.kind == "l" else len(node.content)


def unescaped(text):
    """Text with \\n, \\t, \\r and their like as the characters for which they stand, as GNU sed and awk have them; \\\\ is left alone."""
    return re.sub(r"\\([\s\S])", lambda match: ESCAPES.get(match[1], match[0]), text)


def checked(pattern):
    """The Python expression, if it cannot run for ever: Python tries all ways, and what repeats a repetition has too many of them."""
    if _repeats(_parser.parse(pattern), False):
        raise re.error("this shell does not repeat a group that holds a repetition itself, such as (a*)*; write it without the outer one")
    return pattern


def _repeats(tree, inside):
    for sign, value in tree:
        if sign in (_parser.MAX_REPEAT, _parser.MIN_REPEAT):
            again = value[1] == _parser.MAXREPEAT or value[1] >= MANY
            if (inside and again) or _repeats(value[2], inside or again):
                return True
        elif sign is _parser.BRANCH:
            vague = any(one and one[0][0] not in (_parser.LITERAL, _parser.AT) for one in map(list, value[1]))
            if (inside and vague) or any(_repeats(one, inside) for one in value[1]):
                return True
        elif sign is _parser.SUBPATTERN and _repeats(value[-1], inside):
            return True
    return False


def regex(pattern, extended=False, fixed=False):
    """A POSIX regular expression, basic or extended, as Python writes it. Raises re.error."""
    if fixed:
        return re.escape(pattern)
    return checked(re.sub(r"(?<!\\)(\.\*){2,}", ".*", _translated(pattern, extended)))


def _translated(pattern, extended):
    found, at = [], 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "[":
            end = pattern.find("]", at + 2 if pattern[at + 1:at + 2] != "^" else at + 3)
            while end != -1 and re.search(r"\[:[a-z]*$", pattern[at:end - 1]) and pattern[end - 1] == ":":
                end = pattern.find("]", end + 1)
            if end == -1:
                raise re.error("unmatched [")
            inside = pattern[at + 1:end].replace("\\", "\\\\")
            inside = re.sub(r"\[:(\w+):\]", lambda match: CLASSES.get(match[1], ""), inside)
            inside = re.sub(r"(?<!\\)\[", r"\\[", inside)
            inside = f"^\\]{inside[2:]}" if inside.startswith("^]") else f"\\]{inside[1:]}" if inside.startswith("]") else inside
            found.append(f"[{inside}]")
            at = end + 1
            continue
        if sign == "\\" and at + 1 < len(pattern):
            after = pattern[at + 1]
            if after in "+?|(){}":
                found.append(re.escape(after) if extended else after)
            elif after in "<>":
                found.append(r"\b")
            elif after in "wWsSbB" or after.isdigit():
                found.append("\\" + after)
            else:
                found.append(re.escape(after))
            at += 2
            continue
        starts = not found or found[-1] in ("(", "|")
        if sign in "+?|(){}" and not extended:
            found.append(re.escape(sign))
        elif sign == "*" and starts:
            found.append(r"\*")
        elif sign == "^" and not extended and not starts:
            found.append(r"\^")
        elif sign == "$" and not extended and at + 1 < len(pattern) and pattern[at + 1:at + 3] not in (r"\)", r"\|"):
            found.append(r"\$")
        else:
            found.append(sign if sign in "*.^$" or extended and sign in "+?|(){}" else re.escape(sign))
        at += 1
    return "".join(found)


def lines_of(text):
    """The lines of a text; a last line without its end counts as well."""
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def joined(lines):
    return "".join([line + "\n" for line in lines])
