"""Utilities that read text: show, search, sort, count, cut, compare."""

import difflib
import functools
import gzip
import posixpath
import re

from coursekit.standards.shell.base import EACCES, EISDIR, Failed, joined, lines_of, regex
from coursekit.standards.shell.words import Refused, wildcard


def _cat(shell, arguments, data, who):
    options, paths = shell.named("cat", arguments, "nAEvTb", "")
    text = "".join([part for _, part in shell.inputs("cat", paths, data, who)])
    if "A" in options or "v" in options:
        raw = text.encode("utf-8", "surrogateescape")
        text = "".join([_visible(byte, "A" in options or "T" in options) for byte in raw])
    if "A" in options or "E" in options:
        text = text.replace("\n", "$\n")
    if "n" in options or "b" in options:
        lines, number = [], 0
        for line in lines_of(text):
            number += 1 if line or "n" in options else 0
            lines.append(f"{number:6d}\t{line}" if line or "n" in options else line)
        text = joined(lines)
    return text


def _visible(byte, tabs):
    if byte in (9, 10):
        return "^I" if byte == 9 and tabs else chr(byte)
    if byte >= 128:
        return "M-" + _visible(byte - 128, True) if byte not in (137, 138) else "M-^" + chr(byte - 64)
    return "^" + chr(byte + 64) if byte < 32 else "^?" if byte == 127 else chr(byte)


def _counted(arguments):
    """`head -5` as `head -n 5`."""
    return [part for before, word in zip([""] + arguments, arguments)
            for part in (["-n", word[1:]] if re.fullmatch(r"-\d+", word) and before not in ("-n", "-c") else [word])]


def _head(shell, arguments, data, who):
    options, paths = shell.named("head", _counted(arguments), "qv", "nc")
    return _ends(shell, "head", options, paths, data, who)


def _tail(shell, arguments, data, who):
    options, paths = shell.named("tail", _counted(arguments), "qvfF", "nc")
    out = _ends(shell, "tail", options, paths, data, who)
    if "f" in options or "F" in options:
        shell.complain("(in a terminal `tail -f` now waits and prints each new line as it comes; Ctrl-C ends it)")
        return out, 0
    return out


def _ends(shell, name, options, paths, data, who):
    key = "c" if "c" in options else "n"
    amount = options.get(key, "10")
    if not re.fullmatch(r"[+-]?\d+", amount):
        raise Refused(f"{name}: invalid number of {'lines' if key == 'n' else 'bytes'}: '{amount}'")
    number, parts = int(amount.lstrip("+-")), []
    for path, text in shell.inputs(name, paths, data, who):
        items = text.splitlines(keepends=True) if "\r" not in text else re.findall(r"[^\n]*\n|[^\n]+", text)
        items = text if key == "c" else items
        if name == "head":
            items = items[:max(len(items) - number, 0)] if amount.startswith("-") else items[:number]
        else:
            items = items[max(number - 1, 0):] if amount.startswith("+") else items[max(len(items) - number, 0):]
        headed = (len(paths) > 1 and "q" not in options) or "v" in options
        title = f"==> {'standard input' if path == '-' else path} <==\n" if headed else ""
        parts.append(title + "".join(items))
    return ("\n" if len(paths) > 1 and "q" not in options else "").join(parts)


def _wc(shell, arguments, data, who):
    options, paths = shell.named("wc", arguments, "lwcm", "")
    wanted = [key for key in "lwmc" if key in options] or ["l", "w", "c"]
    rows, octets = [], 0
    for path, text in shell.inputs("wc", paths, data, who):
        counts = {"l": text.count("\n"), "w": len(text.split()), "m": len(text), "c": len(text.encode("utf-8", "surrogateescape"))}
        rows.append([counts[key] for key in wanted] + ["" if not paths else f" {path}"])
        octets += counts["c"]
    if len(paths) > 1:
        rows.append([sum(row[place] for row in rows) for place in range(len(wanted))] + [" total"])
    alone = len(rows) == 1 and len(wanted) == 1
    wide = 1 if alone else len(str(octets)) if paths else 7      # as GNU reckons it: room for the sum of the sizes
    return joined([" ".join(f"{number:{wide}d}" for number in row[:-1]) + row[-1] for row in rows])


def _grep(shell, arguments, data, who):
    options, operands = shell.named(
        "grep", [part for word in arguments for part in (["-C", word[1:]] if re.fullmatch(r"-\d+", word) else [word])],
        "icvnlLrRhHowxEFqsaIGP", "ABCme", ("color", "include", "exclude", "exclude-dir", "colour", "ignore-case", "recursive", "count"),
        many="e")
    options |= {short: True for long, short in (("ignore-case", "i"), ("recursive", "r"), ("count", "c")) if long in options}
    if "P" in options:
        raise Refused("grep: this shell does not know the option -P; -E gives extended expressions.")
    if "e" not in options:
        if not operands:
            raise Refused("usage: grep [options] pattern [file ...]")
        options["e"] = operands.pop(0)
    pattern = "|".join([f"(?:{regex(one, 'E' in options, 'F' in options)})" for one in options["e"].split("\n")])
    pattern = rf"(?<!\w)(?:{pattern})(?!\w)" if "w" in options else pattern
    pattern = rf"^(?:{pattern})$" if "x" in options else pattern
    test = re.compile(pattern, re.IGNORECASE if "i" in options else 0)
    # What may match a line end is not tried on whole files: it would be slow.
    lines_alone = re.search(r"\[\^|\\[sWDB]", pattern)
    quick = None if lines_alone else re.compile(pattern, re.MULTILINE | (re.IGNORECASE if "i" in options else 0))
    recursive, out, hit, trouble = "r" in options or "R" in options, [], False, False
    limit = int(options["m"]) if options.get("m", "").isdigit() else None
    around = {side: options.get(side, options.get("C", "0")) for side in "AB"}
    around = {side: int(number) if number.isdigit() else 0 for side, number in around.items()}
    named = "H" in options or (recursive and operands != ["-"]) or len(operands) > 1
    named = named and "h" not in options

    def complain(path, why):
        if "s" not in options:
            shell.complain(f"grep: {path}: {why}")
    for path, text in _searched(shell, operands, data, who, recursive, options, complain):
        if text is None:
            trouble = True
            continue
        if quick and not quick.search(text) and "v" not in options:
            chosen, lines = [], ()
        else:
            lines = lines_of(text)
            chosen = [place for place, line in enumerate(lines) if bool(test.search(line)) != ("v" in options)][:limit]
        hit = hit or bool(chosen) != ("L" in options)
        prefix = f"{'(standard input)' if path == '-' else path}"
        if "q" in options:
            continue
        if "l" in options or "L" in options:
            if bool(chosen) == ("l" in options):
                out.append(prefix)
        elif "c" in options:
            out.append(f"{prefix}:{len(chosen)}" if named else str(len(chosen)))
        elif chosen and "\0" in text and "a" not in options:
            if "I" not in options:
                shell.complain(f"grep: {prefix}: binary file matches")
        elif "o" in options:
            for place in chosen:
                found = [match[0] for match in test.finditer(lines[place]) if match[0]]
                number = f"{place + 1}:" if "n" in options else ""
                out += [(f"{prefix}:" if named else "") + number + one for one in found]
        else:
            last = None
            for place, sign in _with_context(chosen, len(lines), around):
                if last is not None and place > last + 1 and any(around.values()):
                    out.append("--")
                elif out and last is None and any(around.values()) and chosen:
                    out.append("--")
                last = place
                number = f"{place + 1}{sign}" if "n" in options else ""
                out.append((f"{prefix}{sign}" if named else "") + number + lines[place])
    return joined(out), 2 if trouble and not ("q" in options and hit) else 0 if hit else 1


def _with_context(chosen, count, around):
    signs = {}
    for place in chosen:
        for near in range(max(0, place - around.get("B", 0)), min(count, place + around.get("A", 0) + 1)):
            signs.setdefault(near, "-")
    signs |= {place: ":" for place in chosen}
    return sorted(signs.items())


def _searched(shell, operands, data, who, recursive, options, complain):
    """Yield (path, text) of all that grep looks into; text None where it could not be read."""
    include = [re.compile(wildcard(one)) for one in options.get("include", ()) if isinstance(one, str)]
    exclude = [re.compile(wildcard(one)) for one in options.get("exclude", ()) if isinstance(one, str)]
    skipped = [re.compile(wildcard(one)) for one in options.get("exclude-dir", ()) if isinstance(one, str)]
    bare, denied = recursive and not operands, []

    def closed(path):
        complain(path, EACCES)
        denied.append(path)
    for top in operands or (["."] if recursive else ["-"]):
        if top == "-":
            yield top, data
            continue
        try:
            if shell.node(top).kind == "d" and not recursive:
                complain(top, EISDIR)
                continue
            walk = shell.walk(top.rstrip("/") or "/", follow=True, closed=closed) if recursive else [(top, shell.real(top))]
            for path, place in walk:
                node = shell.nodes[place]
                if node.kind != "f":
                    continue
                name = posixpath.basename(path)
                if recursive and (include and not any(one.fullmatch(name) for one in include)
                                  or any(one.fullmatch(name) for one in exclude)
                                  or any(one.fullmatch(part) for one in skipped for part in path.split("/")[:-1])):
                    continue
                shown = path[2:] if bare else path
                if top.endswith("/") and top != "/" and path.startswith(top[:-1] + "/"):
                    shown = top + path[len(top):]
                if shell.may(node, who, "r"):
                    yield shown, node.content.decode("utf-8", "surrogateescape")
                else:
                    complain(shown, EACCES)
                    yield shown, None
        except Failed as failed:
            complain(top, failed.why)
            yield top, None
    if denied:
        yield denied[0], None


def _sort(shell, arguments, data, who):
    keys, rest, todo = [], [], list(arguments)
    while todo:
        word = todo.pop(0)
        if word.startswith("-k"):
            keys.append(word[2:] or (todo.pop(0) if todo else ""))
        else:
            rest.append(word)
    options, paths = shell.named("sort", rest, "nrufsbh", "t")
    lines = [line for _, text in shell.inputs("sort", paths, data, who) for line in lines_of(text)]
    parsed = []
    for key in keys:
        match = re.fullmatch(r"(\d+)([nrfb]*)(?:,(\d+)([nrfb]*))?", key)
        if not match or match[1] == "0":
            raise Refused(f"sort: this shell takes -k as a field's number, such as -k 2 or -k 2,2n; not '{key}'.")
        flags = (match[2] + (match[4] or "")) or "".join(flag for flag in "nrfb" if flag in options)
        parsed.append((int(match[1]), int(match[3]) if match[3] else None, flags))
    parsed = parsed or [(1, None, "".join(flag for flag in "nrfb" if flag in options))]

    def field(line, first, last):
        if not keys:
            return line
        if "t" in options:
            return options["t"].join(line.split(options["t"])[first - 1:last])
        return "".join(re.findall(r"\s*\S+", line)[first - 1:last])

    def of(line, first, last, flags):
        text = field(line, first, last)
        if "n" in flags:
            match = re.match(r"\s*(-?\d*\.?\d*)", text)
            return float(match[1]) if re.search(r"\d", match[1]) else 0.0
        text = text.lstrip() if "b" in flags else text
        return text.upper() if "f" in flags else text

    def compare(one, other):
        for first, last, flags in parsed:
            a, b = of(one, first, last, flags), of(other, first, last, flags)
            if a != b:
                return (1 if a > b else -1) * (-1 if "r" in flags else 1)
        if "u" in options or "s" in options or one == other:
            return 0
        return (1 if one > other else -1) * (-1 if "r" in options else 1)
    lines.sort(key=functools.cmp_to_key(compare))
    if "u" in options:
        lines = [line for place, line in enumerate(lines) if not place or compare(lines[place - 1], line)]
    return joined(lines), 2 if shell._errors else 0


LONG_OF_UNIQ = {"count": "c", "repeated": "d", "unique": "u", "ignore-case": "i"}


def _uniq(shell, arguments, data, who):
    options, paths = shell.named("uniq", arguments, "cdui", "", LONG_OF_UNIQ)
    options = {LONG_OF_UNIQ.get(option, option) for option in options}
    lines = [line for _, text in shell.inputs("uniq", paths[:1], data, who) for line in lines_of(text)]
    groups = []
    for line in lines:
        same = groups and (groups[-1][0].casefold() == line.casefold() if "i" in options else groups[-1][0] == line)
        if same:
            groups[-1][1] += 1
        else:
            groups.append([line, 1])
    kept = [(line, count) for line, count in groups
            if not ("d" in options and count == 1) and not ("u" in options and count > 1)]
    return joined([f"{count:7d} {line}" if "c" in options else line for line, count in kept])


def _cut(shell, arguments, data, who):
    options, paths = shell.named("cut", arguments, "s", "dfcb")
    key = next((one for one in "fcb" if one in options), None)
    if key is None:
        raise Refused("cut: you must specify a list of bytes, characters, or fields")
    ranges = []
    for part in options[key].split(","):
        match = re.fullmatch(r"(\d*)(-?)(\d*)", part)
        if not match or not (match[1] or match[3]) or match[1] == "0":
            raise Refused(f"cut: invalid field value '{part}'" if match is None or match[1] != "0" else "cut: fields are numbered from 1")
        first = int(match[1] or 1)
        ranges.append((first, int(match[3]) if match[3] else 10 ** 9 if match[2] else first))
    mark = options.get("d", "\t")
    if len(mark) != 1:
        raise Refused("cut: the delimiter must be a single character")
    out = []
    for _, text in shell.inputs("cut", paths, data, who):
        for line in lines_of(text):
            if key == "f" and mark not in line:
                out += [] if "s" in options else [line]
                continue
            parts = line.split(mark) if key == "f" else line
            kept = [part for place, part in enumerate(parts, 1) if any(first <= place <= last for first, last in ranges)]
            out.append((mark if key == "f" else "").join(kept))
    return joined(out)


def _tee(shell, arguments, data, who):
    options, paths = shell.named("tee", arguments, "ai", "")
    for path in paths:
        try:
            if path != "/dev/null":
                shell._write(path, None if "a" in options else b"", who, append=data.encode("utf-8", "surrogateescape"))
        except Failed as failed:
            shell.complain(f"tee: {path}: {failed.why}")
    return data


def _diff(shell, arguments, data, who):
    options, paths = shell.named("diff", arguments, "ubwiq", "U")
    if len(paths) != 2:
        raise Refused("diff: give two files to compare")
    if shell.is_folder(paths[1]):
        paths[1] = posixpath.join(paths[1], posixpath.basename(paths[0]))
    raw = [data if path == "-" else shell._text(path, who) for path in paths]
    one, other = [lines_of(text) for text in raw]
    if one == other:
        return "", 0
    if "q" in options:
        return f"Files {paths[0]} and {paths[1]} differ\n", 1
    if "u" in options or "U" in options:
        return joined(list(difflib.unified_diff(one, other, *paths, lineterm=""))), 1
    out = []

    def span(first, last):
        return str(last) if last - first <= 1 else f"{first + 1},{last}"
    for verb, a, b, c, d in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if verb == "equal":
            continue
        sign = {"replace": "c", "delete": "d", "insert": "a"}[verb]
        out.append((span(a, b) if sign != "a" else str(a)) + sign + (span(c, d) if sign != "d" else str(c)))
        out += [f"< {line}" for line in one[a:b]] + (["---"] if sign == "c" else []) + [f"> {line}" for line in other[c:d]]
    return joined(out), 1


def _zcat(shell, arguments, data, who):
    out = []
    for path in arguments:
        octets = shell.read(path, who)
        if octets[:2] != b"\x1f\x8b":
            shell.complain(f"gzip: {path}: not in gzip format")
            continue
        out.append(gzip.decompress(octets).decode("utf-8", "surrogateescape"))
    return "".join(out)


def _zgrep(shell, arguments, data, who):
    files = [place for place, word in enumerate(arguments) if word.startswith("/") or word.endswith(".gz") or "/" in word]
    names = [arguments[place] for place in files]
    options = [word for place, word in enumerate(arguments) if place not in files]
    out, hit = [], 1
    for name in names:
        octets = shell.read(name, who)
        text = (gzip.decompress(octets) if octets[:2] == b"\x1f\x8b" else octets).decode("utf-8", "surrogateescape")
        got, status = _grep(shell, [*options, "-"], text, who)
        hit = min(hit, status)
        bare = "-h" in options or len(names) == 1
        if "-l" in options:
            out += [name] if status == 0 else []
        else:
            out += [line if bare else f"{name}:{line}" for line in lines_of(got)]
    return joined(out), hit


UTILITIES = {
    "cat": _cat, "less": _cat, "more": _cat, "head": _head, "tail": _tail, "wc": _wc, "grep": _grep,
    "egrep": lambda shell, arguments, data, who: _grep(shell, ["-E", *arguments], data, who),
    "fgrep": lambda shell, arguments, data, who: _grep(shell, ["-F", *arguments], data, who),
    "sort": _sort, "uniq": _uniq, "cut": _cut, "tee": _tee, "diff": _diff, "zcat": _zcat, "zgrep": _zgrep,
}
