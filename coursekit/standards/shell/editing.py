"""Utilities that change text as it passes: sed, awk, tr."""

import posixpath
import re

from coursekit.standards.shell.base import EACCES, ESCAPES, Failed, joined, lines_of, regex, unescaped
from coursekit.standards.shell.words import Refused

ADDRESS = r"(?:\d+|\$|/(?:[^/\\]|\\.)*/)"         # of a line, in sed: its number, $ for the last, /expression/


def _sed(shell, arguments, data, who):
    scripts, rest, todo, suffix = [], [], list(arguments), None
    while todo:
        word = todo.pop(0)
        if word == "-e" and todo:
            scripts.append(todo.pop(0))
        elif re.match(r"-[nEr]*i", word):
            suffix = word.partition("i")[2]
            rest += [word[:word.index("i")]] if word.index("i") > 1 else []
        else:
            rest.append(word)
    options, operands = shell.named("sed", rest, "nErs", "")
    if not scripts:
        if not operands:
            raise Refused("usage: sed [-n] [-E] [-i] 'command' [file ...]")
        scripts.append(operands.pop(0))
    extended = "E" in options or "r" in options
    commands = [_sed_command(part, extended) for script in scripts for part in _sed_parts(script)]
    out = []
    texts = list(shell.inputs("sed", operands, data, who))
    groups = [[one] for one in texts] if suffix is not None or "s" in options else [texts]
    for group in groups:
        got = _edited([line for _, text in group for line in lines_of(text)], commands, "n" in options)
        if suffix is None:
            out.append(got)
            continue
        path = group[0][0]
        place = shell.real(path, last=False)
        old = shell.node(path)
        if not shell.may(shell.nodes[posixpath.dirname(place)], who, "w"):
            raise Failed(posixpath.dirname(path) or ".", f"couldn't open temporary file: {EACCES}")
        if suffix:
            shell._add(place + suffix, old)
        # sed writes a new file beside the old and renames it: a link is replaced by a file, and only root can give away ownership.
        mine = (old.owner, old.group) if who == "root" else (who, shell.users.get(who, (who,))[0])
        shell._add(place, old._replace(kind="f", target="", content=got.encode("utf-8", "surrogateescape"), owner=mine[0], group=mine[1],
                                       when=shell.now))
    return "".join(out)


def _sed_parts(script):
    """The commands of a script, cut at ; and line ends, but not inside s/// or /re/ or the text of a, i and c."""
    parts, rest = [], script.strip()
    while rest:
        match = re.match(rf"(?:{ADDRESS}(?:,{ADDRESS})?)?\s*!?\s*"
                         r"(?:s(.)(?:(?!\1)[^\\]|\\.)*\1(?:(?!\1)[^\\]|\\.)*\1[gipI0-9]*|[aic][\s\S]*|[pdq=])", rest)
        if not match:
            raise Refused(f"sed: this shell only knows the commands s, p, d, a, i, c, q and =; not `{rest[:30]}`.")
        parts.append(match[0])
        rest = rest[match.end():].lstrip()
        if rest and rest[0] not in ";\n":
            raise Refused(f"sed: unknown option or extra characters after the command: `{rest[:20]}`")
        rest = rest.lstrip(";\n ")
    return parts


def _sed_command(part, extended):
    match = re.match(r"(\d+|\$|/(?:[^/\\]|\\.)*/)?(?:,(\d+|\$|/(?:[^/\\]|\\.)*/))?\s*(!?)\s*(.)([\s\S]*)", part)
    first, last, inverted, verb, rest = match.groups()
    if verb == "s":
        mark = rest[0]
        pieces = re.split(rf"(?<!\\){re.escape(mark)}", rest[1:])
        pattern, replacement, flags = pieces[0].replace("\\" + mark, mark), pieces[1].replace("\\" + mark, mark), pieces[2]

        def filled(found):
            def part(one):
                if one[1]:
                    return found[int(one[1])] or ""
                return ESCAPES.get(one[2], one[2]) if one[2] else found[0]
            return re.sub(r"\\([0-9])|\\([\s\S])|(&)", part, replacement)
        rest = (re.compile(regex(unescaped(pattern), extended), re.IGNORECASE if set(flags) & set("iI") else 0), filled,
                0 if "g" in flags else 1, "p" in flags)
    elif verb in "aic":
        rest = re.sub(r"^\s*(\\\n?)?", "", rest)
        rest = re.sub(r"\\([\s\S])", lambda match: ESCAPES.get(match[1], match[1]), rest)
    return [_address(first, extended), _address(last, extended), bool(inverted), verb, rest]


def _address(text, extended):
    if text is None or text == "$":
        return text
    return int(text) if text.isdigit() else re.compile(regex(unescaped(text[1:-1].replace("\\/", "/")), extended))


def _edited(lines, commands, quiet):
    out, within = [], [False] * len(commands)

    def fits(address, number, line):
        if address == "$":
            return number == len(lines)
        return address == number if isinstance(address, int) else bool(address.search(line))
    for number, line in enumerate(lines, 1):
        before, after, kept, ended = [], [], True, False
        for place, (first, last, inverted, verb, rest) in enumerate(commands):
            if within[place]:
                chosen = True
                if fits(last, number, line) or isinstance(last, int) and number >= last:
                    within[place] = False
            else:
                chosen = first is None or fits(first, number, line)
                if chosen and last is not None and not (isinstance(last, int) and number >= last):
                    within[place] = not (last == "$" and number == len(lines))
            if chosen == inverted:
                continue
            if verb == "s":
                line, count = rest[0].subn(rest[1], line, rest[2])
                if count and rest[3]:
                    before.append(line)
            elif verb in "p=":
                before.append(line if verb == "p" else str(number))
            elif verb == "d":
                kept = False
                break
            elif verb == "q":
                ended = True
                break
            elif verb == "a":
                after.append(rest)
            elif verb == "i":
                before.append(rest)
            elif verb == "c":
                before.append(rest)
                kept = False
                break
        out += [*before, *([line] if kept and not quiet else []), *after]
        if ended:
            break
    return joined(out)


def _awk(shell, arguments, data, who):
    options, operands = shell.named("awk", arguments, "", "F")
    program = operands.pop(0).strip() if operands else ""
    condition = (r'(?:/(?P<re>(?:[^/\\]|\\.)*)/|\$(?P<field>\d+|NF)\s*(?P<how>==|!=|~)\s*'
                 r'(?:"(?P<text>[^"]*)"|/(?P<like>[^/]*)/|(?P<number>\d+)))')
    count = (r"\{\s*(?P<array>\w+)\s*\[\s*(?P<counted>\$\d+|\$NF|\$\(NF-\d+\))\s*\]\s*(?:\+\+|\+=\s*1)\s*;?\s*\}\s*"
             r"END\s*\{\s*for\s*\(\s*(?P<each>\w+)\s+in\s+(?P=array)\s*\)\s*\{?\s*print\b\s*(?P<told>[^{}]*?);?\s*\}?\s*\}")
    match = re.fullmatch(rf"{condition}?\s*(?:\{{\s*print\b\s*(?P<what>[^{{}}]*?);?\s*\}}|{count})?", program)
    if not match or not program:
        raise Refused("awk: this shell only knows programs such as '{print $2}', '/word/ {print $1, $3}', '$2 == \"x\" {print $0}' and "
                      "'/word/ {n[$2]++} END {for (x in n) print n[x], x}'.")
    counted = match["counted"]
    places = rf"{match['array']}\[\s*{match['each']}\s*\]|{match['each']}\b" if counted else r"\$\d+|\$NF|\$\(NF-\d+\)|NR|NF"
    item, printed = rf'\s*(?:({places})|"((?:[^"\\]|\\.)*)"|(,))\s*', (match["told"] if counted else match["what"]) or ""
    what = re.findall(item, printed or "$0") or [("$0", "", "")]
    if re.sub(item, "", printed):
        raise Refused("awk: this shell's print takes fields ($1, $NF), NR, NF and text in double quotes, with commas between; behind END "
                      "what was counted and its number.")
    mark, out, counts = options.get("F"), [], {}
    mark = mark and unescaped(mark)

    def one(name, line, fields, number):
        if counted and name and not name.startswith("$"):
            return str(number) if "[" in name else line
        if name in ("NR", "NF"):
            return str(number if name == "NR" else len(fields))
        if name == "$0":
            return line
        place = len(fields) if name == "$NF" else len(fields) - int(name[5:-1]) if name.startswith("$(") else int(name[1:])
        return fields[place - 1] if 1 <= place <= len(fields) else ""

    def written(line, fields, number):
        return "".join([" " if comma else re.sub(r"\\(.)", lambda m: {"t": "\t", "n": "\n"}.get(m[1], m[1]), text) if not name
                        else one(name, line, fields, number) for name, text, comma in what])
    lines = [line for _, text in shell.inputs("awk", operands, data, who) for line in lines_of(text)]
    for number, line in enumerate(lines, 1):
        fields = line.split() if mark in (None, " ") else re.split(re.escape(mark) if len(mark) == 1 else regex(mark, True), line)
        if match["re"] is not None and not re.search(regex(unescaped(match["re"]), True), line):
            continue
        if match["field"]:
            got = one(f"${match['field']}", line, fields, number)
            if match["like"] is not None:
                holds = bool(re.search(regex(unescaped(match["like"]), True), got)) == (match["how"] == "~")
            else:
                holds = (got == (match["text"] if match["text"] is not None else match["number"])) == (match["how"] == "==")
            if not holds:
                continue
        if counted:
            value = one(counted, line, fields, number)
            counts[value] = counts.get(value, 0) + 1
        else:
            out.append(written(line, fields, number))
    return joined(out + [written(value, [], number) for value, number in counts.items()])


def _tr(shell, arguments, data, who):
    options, sets = shell.named("tr", arguments, "dscC", "")
    if not sets or len(sets) > 2:
        raise Refused("usage: tr [-d] [-s] SET1 [SET2]")
    first, *second = [_characters(one) for one in sets]
    if "c" in options or "C" in options:
        first = [chr(number) for number in range(256) if chr(number) not in first]
    if "d" in options:
        return "".join([one for one in data if one not in first])
    out = data
    if second:
        target = second[0] + second[0][-1:] * len(first)
        out = data.translate({ord(one): target[place] for place, one in reversed(list(enumerate(first)))})
    if "s" in options:
        squeezed = second[0] if second else first
        out = re.sub(r"(.)\1+", lambda match: match[1] if match[1] in squeezed else match[0], out, flags=re.DOTALL)
    return out


def _characters(text):
    classes = {"upper": "A-Z", "lower": "a-z", "digit": "0-9", "space": " \\t\\n\\r", "alnum": "A-Za-z0-9", "alpha": "A-Za-z", "blank": " "
    "\\t"}
    text = re.sub(r"\[:(\w+):\]", lambda match: classes.get(match[1], ""), text)
    escapes = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
    plain = re.findall(r"\\[0-7]{1,3}|\\.|.", text, re.DOTALL)
    plain = [(chr(int(one[1:], 8)) if one[1].isdigit() else escapes.get(one[1], one[1])) if one[0] == "\\" and len(one) > 1 else one
             for one in plain]
    found, at = [], 0
    while at < len(plain):
        if at + 2 < len(plain) and plain[at + 1] == "-" and plain[at] <= plain[at + 2]:
            found += [chr(number) for number in range(ord(plain[at]), ord(plain[at + 2]) + 1)]
            at += 3
        else:
            found.append(plain[at])
            at += 1
    return found


UTILITIES = {"sed": _sed, "awk": _awk, "tr": _tr}
