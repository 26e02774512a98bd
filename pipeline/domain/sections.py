"""Our sections in an issue's body: read, replaced in place, appended, removed; the rest stays byte for byte.

A section is a level-2 ATX heading (`## AI Assessment`) outside of code, HTML, quotes and lists, and what follows it up
to the next heading of level 1 or 2. Of several with one name the first is ours. The places come from a CommonMark
parser, the bytes from the body itself.

What we write is made to stay inside: headings of level 1 and 2 in it become level 3, an open fence or HTML block is
closed. So reading back gives `contained(content)`, always.

A body may itself end in an open fence or comment, and a section appended there would be swallowed. Then a preamble
of ours goes before the heading: a line that closes the block and a line that says so (`CLOSES`); it goes with the
section.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.rules_block.html_block import HTML_SEQUENCES
from markdown_it.token import Token

MAX_BODY = 65_536  # GitHub's limit for a body, in characters
ORDER = ("Discovery", "AI Assessment", "Specialist Guidance", "Copilot Assignment")
SHORTENED = "_Shortened here: GitHub allows 65,536 characters in the body of an issue._"
CLOSES = "<!-- section preamble: closes the block above -->"
ENDS = "<!-- section end -->"  # keeps an indented heading below from becoming a part of a list in our content
FOLLOWS = "<!-- section preamble -->"  # closes nothing; only keeps a CLOSES of somebody else from being taken for ours

_NEWLINE = re.compile(r"\r\n|\n|\r")
_CLOSERS = ("</{tag}>", "-->", "?>", ">", "]]>")  # for the first five of HTML_SEQUENCES, in their order

_markdown = MarkdownIt("commonmark").enable("table")
_markdown.core.ruler.enableOnly(["normalize", "block"])


class BodyTooLong(ValueError):
    """What people wrote leaves no room for our sections. The message is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading outside of any other block; `start` and `end` are offsets, without the final newline."""

    level: int
    text: str
    atx: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Body:
    text: str
    headings: tuple[Heading, ...]
    closer: str  # the line that would close the block left open at the end, or ""

    def find(self, heading: str) -> tuple[Heading, int] | None:
        """Our heading, and where its section ends."""
        for index, seen in enumerate(self.headings):
            if seen.level == 2 and seen.atx and seen.text == heading:
                following = (later.start for later in self.headings[index + 1 :] if later.level <= 2)
                return seen, next(following, len(self.text))
        return None


def headings(body: str) -> tuple[Heading, ...]:
    """The headings of `body` that stand outside of quotes, lists, code and HTML, in order."""
    return _parsed(body).headings


def read_section(body: str, heading: str) -> str | None:
    """The content below `## heading`, newlines as \\n, without blank lines around it; None if there is none."""
    place = _parsed(body).find(heading)
    if place is None:
        return None
    return _trimmed(_trimmed(_NEWLINE.sub("\n", body[place[0].end : place[1]])).removesuffix(f"\n{ENDS}"))


def upsert_section(body: str, heading: str, content: str) -> str:
    """`body` with `content` below `## heading`: replaced in place, or appended after one blank line."""
    parsed, newline = _parsed(body), _newline(body)
    lines = _below(contained(content))
    place = parsed.find(heading)
    if place is None:
        return _appended(parsed, newline.join([f"## {heading}", *lines]), newline)
    start, end = place[0].end, place[1]
    if lines and body[end : end + 1] == " ":
        lines += ["", ENDS]
    below = "".join(newline + line for line in lines)
    rest = body[start + _content_length(body[start:end]) :]
    if below and start < end < len(body):
        rest = _after_blank_line(rest)
    return body[:start] + below + rest


def remove_section(body: str, heading: str) -> str:
    """`body` without the section; one that `upsert_section` appended leaves no trace."""
    place = _parsed(body).find(heading)
    if place is None:
        return body
    start, end = place[0].start, place[1]
    if end < len(body):
        return body[:start] + body[end:]
    return _unappended(body[:start], ended=bool(_last_newline(body)))


def splice(body: str, sections: Sequence[tuple[str, str | None]], limit: int = MAX_BODY) -> str:
    """`body` with every section written (None: removed); missing ones are appended in pipeline order.

    When the result passes `limit` our longest content is shortened with a visible note; what people wrote never is.
    """
    contents = {heading: contained(content) for heading, content in sections if content is not None}
    for heading, content in sections:
        if content is None:
            body = remove_section(body, heading)
    result = _written(body, contents)
    while len(result) > limit:
        contents = _shortened(contents, len(result) - limit)
        if not contents:
            raise BodyTooLong(_too_long(body, sections, limit))
        result = _written(body, contents)
    return result


def fit(body: str, heading: str, content: str, limit: int = MAX_BODY) -> str:
    """The content as it can be written below `heading` without passing `limit`; raises BodyTooLong."""
    return read_section(splice(body, [(heading, content)], limit), heading) or ""


def contained(content: str) -> str:
    """`content` so that it cannot leave its section: see the module's docstring. Doing it again changes nothing."""
    text = _trimmed(_NEWLINE.sub("\n", content))
    text = _trimmed("\n".join(line for line in text.split("\n") if line.strip() not in (CLOSES, FOLLOWS, ENDS)))
    tokens, lines = _tokens(text), text.split("\n")
    for index in range(len(tokens) - 1, -1, -1):
        if _breaks_out(tokens[index]):
            _demote(lines, tokens[index], tokens[index + 1])
    text = _trimmed("\n".join(lines))
    closer = _closer(_tokens(text), text.split("\n"))
    return f"{text}\n{closer}" if closer else text


def _breaks_out(token: Token) -> bool:
    return token.type == "heading_open" and token.level == 0 and token.tag in ("h1", "h2")


def _demote(lines: list[str], opening: Token, inline: Token) -> None:
    first, after = opening.map or (0, 0)
    if opening.markup.startswith("#"):
        lines[first] = re.sub(r"^( *)#{1,2}", r"\1###", lines[first])
    else:  # underlined: the blank line keeps what follows from joining the heading
        lines[first:after] = ["### " + " ".join(inline.content.split("\n")), ""]


def _tokens(text: str) -> list[Token]:
    return _markdown.parse(text)


@lru_cache(maxsize=128)
def _parsed(body: str) -> _Body:
    """One body is asked for many headings, one after the other; at most 8 MB are kept."""
    starts, lines, position = [], [], 0
    for match in [*_NEWLINE.finditer(body), None]:
        end = match.start() if match else len(body)
        starts.append(position)
        lines.append(body[position:end])
        position = match.end() if match else end
    tokens = _tokens(body)
    found = []
    for index, token in enumerate(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map:
            first, last = token.map[0], token.map[1] - 1
            text, atx = tokens[index + 1].content, token.markup.startswith("#")
            found.append(Heading(int(token.tag[1]), text, atx, starts[first], starts[last] + len(lines[last])))
    return _Body(body, tuple(found), _closer(tokens, lines))


def _closer(tokens: Sequence[Token], lines: Sequence[str]) -> str:
    """The line that closes the block in which the text ends, "" if there is none; lists and quotes end themselves."""
    last = tokens[-1] if tokens else None
    if last is None or last.level or not last.map:
        return ""
    first, after = last.map
    if last.type == "fence":
        mark, end = re.escape(last.markup[0]), lines[after - 1]
        closed = after - first > 1 and re.fullmatch(rf" {{0,3}}{mark}{{{len(last.markup)},}}[ \t]*", end)
        return "" if closed else last.markup
    return _html_closer([line.strip(" \t") for line in lines[first:after]]) if last.type == "html_block" else ""


def _html_closer(lines: Sequence[str]) -> str:
    for (opens, closes, _), closer in zip(HTML_SEQUENCES, _CLOSERS, strict=False):
        opening = opens.search(lines[0])
        if opening:
            tag = re.sub(r"[^a-z]", "", opening.group().lower())
            return "" if any(closes.search(line) for line in lines) else closer.format(tag=tag)
    return ""  # kinds 6 and 7 end at a blank line


def _appended(body: _Body, section: str, newline: str) -> str:
    if not body.text:
        return section
    ending = _last_newline(body.text)
    # Our \n after their final \r would make one newline of two: treat such a body as one that lacks its last newline.
    ended = bool(ending) and not (ending == "\r" and newline != "\r")
    preamble = [body.closer, CLOSES] if body.closer else []
    if not preamble and body.text.rstrip().endswith((CLOSES, FOLLOWS)):
        preamble = [FOLLOWS]
    joint = "" if ended else newline
    return (
        body.text
        + joint
        + "".join(line + newline for line in [*preamble, "", section])[: None if ended else -len(newline)]
    )


def _unappended(before: str, *, ended: bool) -> str:
    """The inverse of `_appended`, for the text before the heading; `ended`: the section ended in a newline."""
    newline = _last_newline(before)
    before = before.removesuffix(newline)
    for mark, count in ((CLOSES, 2), (FOLLOWS, 1)):
        if before.endswith(mark + newline):
            for _ in range(count):
                before = before.removesuffix(newline)
                before = before[: max(before.rfind("\n"), before.rfind("\r")) + 1]
            break
    return before if ended else before.removesuffix(newline)


def _written(body: str, contents: dict[str, str]) -> str:
    place = {heading: index for index, heading in enumerate(ORDER)}
    for heading in sorted(contents, key=lambda name: place.get(name, len(ORDER))):
        body = upsert_section(body, heading, contents[heading])
    return body


def _shortened(contents: dict[str, str], excess: int) -> dict[str, str]:
    """`contents` with the longest one shortened by about `excess` characters; empty if none can give way any more."""
    longest = max(contents, key=lambda heading: len(contents[heading]), default="")
    content = contents.get(longest, "")
    keep = len(content) - excess - len(SHORTENED) - 2
    if not content or content == SHORTENED:
        return {}
    kept = content[:keep].removesuffix(SHORTENED) if keep > 0 else ""
    if "\n" in kept:
        kept = kept[: kept.rfind("\n")]
    while True:
        shorter = contained(f"{contained(kept)}\n\n{SHORTENED}")
        if len(shorter) < len(content):
            return {**contents, longest: shorter}
        if not kept:
            return {**contents, longest: SHORTENED} if len(SHORTENED) < len(content) else {}
        kept = kept[: len(kept) // 2]


def _too_long(body: str, sections: Sequence[tuple[str, str | None]], limit: int) -> str:
    names = ", ".join(f"## {heading}" for heading, content in sections if content is not None)
    return (
        f"The issue's body leaves no room for {names}: it has {len(body):,} characters already and GitHub allows "
        f"{limit:,}; shorten it on GitHub and run again; nothing was changed."
    )


def _newline(body: str) -> str:
    """The newline that `body` uses most; \\n if it has none."""
    seen = Counter(_NEWLINE.findall(body))
    return max(("\n", "\r\n", "\r"), key=lambda newline: seen[newline])


def _last_newline(text: str) -> str:
    return next((newline for newline in ("\r\n", "\n", "\r") if text.endswith(newline)), "")


def _below(content: str) -> list[str]:
    return ["", *content.split("\n")] if content else []


def _content_length(text: str) -> int:
    """The length of `text` without the blank lines at its end."""
    length = 0
    for match in re.finditer(r"[^\r\n]+", text):
        if match.group().strip(" \t"):
            length = match.end()
    return length


def _after_blank_line(rest: str) -> str:
    match = _NEWLINE.match(rest)
    if match is None or re.match(r"[ \t]*(\r\n|\n|\r)", rest[match.end() :]):
        return rest
    return match.group() * 2 + rest[match.end() :]


def _trimmed(text: str) -> str:
    """Without blank lines at both ends; spaces in the lines that stay are kept."""
    lines = text.split("\n")
    full = [index for index, line in enumerate(lines) if line.strip(" \t")]
    return "\n".join(lines[full[0] : full[-1] + 1]) if full else ""
