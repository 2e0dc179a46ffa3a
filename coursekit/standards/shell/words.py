"""The words of a shell's command line: quotes, pipes and redirections, as POSIX (IEEE Std 1003.1, Shell Command Language) has them."""

import re
from typing import NamedTuple

LONGEST = 10_000
KEYWORDS = ("for", "while", "until", "if", "case", "function", "select", "do", "then", "{")


class Refused(Exception):
    """A command line that is not carried out; the text says why."""


class Command(NamedTuple):
    """A command of a pipeline. A word is a list of (text, quote); quote is "'", '"' or ''. Redirections are (sign, word)."""

    words: list
    redirections: list


def wildcard(pattern):
    """A pattern with * ? [ ] as a regular expression for the whole name."""
    found, at = [], 0
    while at < len(pattern):
        sign = pattern[at]
        end = pattern.find("]", at + 2) if sign == "[" else -1
        if sign == "*":
            found.append(r"[\s\S]*")
        elif sign == "?":
            found.append(r"[\s\S]")
        elif end != -1:
            inside = pattern[at + 1:end].replace("\\", "\\\\").replace("[", r"\[")
            found.append(f"[^{inside[1:]}]" if inside[0] in "!^" and len(inside) > 1 else f"[{inside}]".replace("[^]", r"[\^]"))
            at = end
        elif sign == "\\" and at + 1 < len(pattern):
            at += 1
            found.append(re.escape(pattern[at]))
        else:
            found.append(re.escape(sign))
        at += 1
    return "".join(found)


def parse(text):
    """The command lines in a text: a list of (';', '&&' or '||', list of Command). Raises Refused."""
    if len(text) > LONGEST:
        raise Refused(f"This shell takes at most {LONGEST:,} characters at a time.")
    if any(sign in text for sign in "\u2018\u2019\u201c\u201d"):
        raise Refused("There are typographic quotes in the line, as a word processor makes them. A shell only knows the straight ones, ' "
        "and \".")
    if "\0" in text:
        raise Refused("There is a NUL character in the line.")
    sequence, pipeline, words, redirections, how = [], [], [], [], ";"

    def ended(sign):
        nonlocal words, redirections
        if words or redirections:
            if words and len(words[0]) == 1 and words[0][0][1] == "" and words[0][0][0] in KEYWORDS:
                raise Refused(f"This shell knows no loops and conditions (`{words[0][0][0]}`). `xargs` and `find -exec` do the same here.")
            pipeline.append(Command(words, redirections))
        elif pipeline or sign not in (";", "\n"):
            raise Refused(f"bash: syntax error near `{sign.strip() or 'the end'}': a command is missing.")
        words, redirections = [], []
    tokens = _tokens(text)
    for place, (kind, value) in enumerate(tokens):
        if kind == "word":
            words.append(value)
        elif value in (">", ">>", "<", "2>", "2>>", "&>"):
            if place + 1 == len(tokens) or tokens[place + 1][0] != "word":
                raise Refused(f"bash: syntax error: behind `{value}' a file is missing.")
            redirections.append((value, tokens[place + 1][1]))
            tokens[place + 1] = ("taken", "")
        elif value == "2>&1":
            redirections.append((value, None))
        elif value == "|":
            ended("|")
        elif kind == "sign":
            if value == "\n" and not words and not redirections and pipeline:
                continue                        # a line that ends with | goes on in the next
            ended(value)
            if pipeline:
                sequence.append((how, pipeline))
                how = ";"
            elif value in ("&&", "||"):
                raise Refused(f"bash: syntax error near `{value}'")
            pipeline = []
            how = value if value in ("&&", "||") else how if value == "\n" and how != ";" else ";"
    if words or redirections or pipeline:
        ended("")
        sequence.append((how, pipeline))
    elif how != ";":
        raise Refused(f"bash: syntax error: a command is missing behind `{how}'.")
    return sequence


def _tokens(text):
    """A list of ("word", pieces) and ("sign", operator)."""
    found, word, at = [], [], 0
    text = text.replace("\r\n", "\n").replace("\\\n", " ")

    def ended():
        nonlocal word
        if word:
            found.append(("word", word))
        word = []
    while at < len(text):
        sign = text[at]
        if sign in "'\"":
            end = at + 1
            while end < len(text) and text[end] != sign:
                end += 2 if sign == '"' and text[end] == "\\" else 1
            if end >= len(text):
                raise Refused(f"The quote {sign} is opened and not closed.")
            inside = text[at + 1:end]
            if sign == '"':
                for part in re.split(r"(\\[\"\\$`])", inside) if "\\" in inside else [inside]:
                    word.append((part[1], "'") if re.fullmatch(r"\\[\"\\$`]", part) else (part, '"'))
            else:
                word.append((inside, "'"))
            at = end + 1
            continue
        if sign == "\\" and at + 1 < len(text):
            word.append((text[at + 1], "'"))
            at += 2
            continue
        if text.startswith("$(", at) or sign == "`":
            end = _closed(text, at)
            word.append((text[at:end], ""))
            at = end
            continue
        if sign in " \t":
            ended()
            at += 1
            continue
        if sign == "#" and not word:
            at = text.find("\n", at) if "\n" in text[at:] else len(text)
            continue
        match = re.compile(r"2>&1|2>>|2>|1?>>|&>|1?>|\|\||&&|\||;|\n|<<|<|&|\(|\)").match(text, at)
        if match and (match[0][0] not in "12" or not word):
            ended()
            operator = match[0].lstrip("1") if match[0][0] == "1" else match[0]
            if operator in ("<<", "&", "(", ")"):
                said = {"<<": "texts behind <<", "&": "commands in the background", "(": "brackets", ")": "brackets"}[operator]
                raise Refused(f"This shell knows no {said} (`{operator}`)." + (" Inside quotes it may stand." if operator != "<<" else ""))
            if operator == ">" and text[match.end():match.end() + 2] == "&2":
                raise Refused("This shell cannot send output to standard error.")
            found.append(("sign", operator))
            at = match.end()
            continue
        match = re.compile(r"[^\s'\"\\`|;&<>()$]+|\$(?!\()").match(text, at)
        word.append((match[0] if match else sign, ""))          # without a match: a backslash at the very end
        at += len(match[0]) if match else 1
    ended()
    return _merged(found)


def _closed(text, at):
    """Where a $( ) or ` ` that begins at `at` ends."""
    if text[at] == "`":
        end = text.find("`", at + 1)
        if end == -1:
            raise Refused("The quote ` is opened and not closed.")
        return end + 1
    depth = 0
    for place in range(at + 1, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place + 1
    raise Refused("The bracket of $( is opened and not closed.")


def _merged(tokens):
    """Neighbouring pieces without quotes put together, so that $NAME is one piece."""
    found = []
    for kind, value in tokens:
        if kind == "word":
            pieces = []
            for text, quote in value:
                plain = quote == "" and not text.startswith(("$(", "`"))
                if plain and pieces and pieces[-1][1] == "" and not pieces[-1][0].endswith((")", "`")):
                    pieces[-1] = (pieces[-1][0] + text, "")
                else:
                    pieces.append((text, quote))
            value = pieces
        found.append((kind, value))
    return found
