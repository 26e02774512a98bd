"""Text from outside made safe to quote, to show to a model, and to put before a coding agent.

What is left has no hidden characters, no HTML, no link other than a visible https address, nothing that notifies people
or refers to another issue, and none of our markers. `findings` are what an honest text does not have: they need a
person. `changes` are what honest text often has and loses here.

Cleaning runs until nothing changes any more, because removing one thing can put another together (`@<b></b>name`).
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.domain import markers
from pipeline.domain.injection import suspicions
from pipeline.domain.invisible import visible

TITLE_LIMIT = 200  # GitHub takes 256 characters; ours leave room for a prefix
EXCERPT_LIMIT = 4_000
NO_TEXT = "_No text._"

_ROUNDS = 8
_NEWLINE = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_AMPERSAND = re.compile(r"&(?:(?:amp|#0*38|#x0*26);)+", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_DECLARATION = re.compile(r"<!\[CDATA\[|\]\]>|<\?[^<>]*>")
_SWALLOWING = re.compile(r"<(script|style|template|noscript)\b", re.IGNORECASE)
_AUTOLINK = re.compile(r"<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*|[^\s<>@]+@[^\s<>@]+)>")
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)((?:\s[^<>]*|/)?)>")
_OTHER_TAG = re.compile(r"<([A-Za-z/!][^<>]*)>")
_TAG_START = re.compile(r"<(?=[A-Za-z/!?])")
_LINK = re.compile(
    r"(!?)\[([^\[\]\n]*)\]\(\s{0,9}<?([^\s()<>]*)>?(?:\s{1,9}(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?\s{0,9}\)"
)
_SCRIPT_URL = re.compile(
    r"\b(?:javascript|vbscript):[^\s)>]*|\bdata:(?:[a-z]+/[a-z0-9.+-]+)?[;,][^\s)>]*", re.IGNORECASE
)
_URL = re.compile(r"[a-z][a-z0-9+.-]{1,30}://[^\s<>`]*|\b(?:mailto|file|blob):[^\s<>`]+", re.IGNORECASE)
_HTTPS = re.compile(
    r"https://(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]+(?::\d{1,5})?(?:[/?#]\S*)?", re.IGNORECASE
)
# What notifies people, refers to issues, or becomes a link that is not https. Bounded, to keep the time linear.
_ACTS = (
    r"(?i:https)://[A-Za-z0-9.:-]+/[\w.-]+/[\w.-]+/(?:issues|pull|pulls|discussions|commit)/\w[^\s`<>]*"
    r"|(?:(?<![A-Za-z0-9])@[A-Za-z0-9][\w-]*(?:/[\w.-]*)?"
    r"|(?<!\w)(?:[\w.-]{1,100}/[\w.-]{1,100}|[\w-]{1,100})?#[0-9]\w*"
    r"|(?<![A-Za-z0-9-])[Gg][Hh]-[0-9]\w*"
    r"|(?<![A-Za-z0-9/])[Ww]{3}\.[^\s`<>]+)(?:[@#][\w@#./-]*)?"
)
_ACTING = re.compile(rf"(?P<acts>{_ACTS})|(?i:https)://[^\s<>`]+")
_WRAPPED = re.compile(rf"(?<!`)`({_ACTS})`(?!`)")
_LINK_REMOVED = "(link removed)"

_By = str | Callable[[re.Match[str]], str]

_INLINE = re.compile(
    "a|abbr|acronym|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|label|mark|q|s|samp|small|span|strike|strong"
    "|sub|sup|time|tt|u|var|wbr"
)
_BLOCK = re.compile(
    "address|article|aside|audio|base|blockquote|body|br|button|canvas|caption|center|col|colgroup|dd|details|dialog|div"
    "|dl|dt|embed|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|img|input"
    "|legend|li|link|main|map|math|menu|meta|nav|noscript|object|ol|optgroup|option|output|p|param|picture|pre|progress"
    "|script|section|select|source|style|summary|svg|table|tbody|td|template|textarea|tfoot|th|thead|title|tr|track|ul"
    "|video"
)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Text that is safe to quote. Each finding and change is part of a sentence of ours, never text from outside."""

    text: str
    findings: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()

    @property
    def needs_person(self) -> bool:
        return bool(self.findings)


def clean(text: str, *, limit: int = EXCERPT_LIMIT) -> Cleaned:
    """`text` made safe, at most `limit` characters long. Cleaning the result again changes nothing."""
    cleaner = _Cleaner(limit)
    result = cleaner.run(text)
    return Cleaned(result, tuple(cleaner.findings), tuple(cleaner.changes))


def one_line(text: str, limit: int = TITLE_LIMIT) -> str:
    """`text` cleaned, on one line, at most `limit` characters long: for titles."""
    for _ in range(_ROUNDS):
        line = " ".join(clean(text, limit=limit).text.split())
        if line == text:
            return line
        text = line
    return _shortened(" ".join(_plain(text).split()), limit)


def code(text: str, limit: int = TITLE_LIMIT) -> str:
    """`text` as inline code: shown as it is (addresses, indicators, names), acting as nothing. "" for empty text."""
    shown = " ".join(visible(_NEWLINE.sub(" ", text[: 4 * limit])).text.split()).replace("`", "'")
    shown = shown if len(shown) <= limit else f"{shown[: limit - 1].rstrip()}…"
    return f"`{shown}`" if shown else ""


def quotation(text: str) -> str:
    """`text` as a Markdown blockquote: every line carries the mark, so nothing in it can leave the quotation."""
    lines = re.split("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", text.strip()) if text.strip() else [NO_TEXT]
    return "\n".join(f"> {line}".rstrip() for line in lines)


def unquoted(content: str) -> str:
    """The inverse of `quotation`."""
    lines = [re.sub(r"^> ?", "", line) for line in content.split("\n")]
    text = "\n".join(lines)
    return "" if text == NO_TEXT else text


class _Cleaner:
    """One text being cleaned; keeps what was found on the way, each once, in order."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.findings: dict[str, None] = {}
        self.changes: dict[str, None] = {}

    def run(self, text: str) -> str:
        bound = 4 * self.limit + 10_000
        if len(text) > bound:
            self.changes["was shortened"] = None
            text = text[:bound]
        for _ in range(_ROUNDS):
            before = text
            for step in (self._decoded, self._shown, self._unmarked, self._plain_links, self._tame, self._short):
                text = step(text)
            if text == before:
                return text
        self.findings["could not be cleaned in a stable way"] = None
        return _shortened(_plain(text), self.limit)

    def _decoded(self, text: str) -> str:
        text = _NEWLINE.sub("\n", text)
        while True:
            decoded = _ENTITY.sub(lambda match: html.unescape(match.group()), _AMPERSAND.sub("&", text))
            if decoded == text:
                return unicodedata.normalize("NFC", text)
            text = _NEWLINE.sub("\n", decoded)

    def _shown(self, text: str) -> str:
        seen = visible(text)
        self.findings.update((f"hides {name}", None) for name in seen.suspicious)
        if seen.removed:
            self.changes["lost characters that are not shown"] = None
        # Here everything is decoded and shown, and comments, titles and attributes are still there to be judged.
        self.findings.update(dict.fromkeys(suspicions(seen.text)))
        return unicodedata.normalize("NFC", seen.text)

    def _unmarked(self, text: str) -> str:
        text = markers.strip(text)
        uncommented = _DECLARATION.sub(" ", _without_comments(text))
        if uncommented != text:
            self.findings["hides text in an HTML comment"] = None
        text = _without_scripts(uncommented)
        text = _AUTOLINK.sub(r"\1", text)
        text = self._counted(_TAG, _without_tag, text, change="lost HTML tags")
        text = self._counted(_OTHER_TAG, r"(\1)", text, change="lost HTML tags")
        return _TAG_START.sub("< ", text)

    def _plain_links(self, text: str) -> str:
        text = self._counted(_SCRIPT_URL, _LINK_REMOVED, text, finding="carries a data: or script address")
        text = self._counted(_LINK, _plain_link, text, change="has links and images as plain text")
        # Whatever link syntax is left (nested, multi-line, by reference) loses its joint.
        text = re.sub(r"\](?=[(:])", "] ", text).replace("![", "[")
        return _URL.sub(self._https_only, text)

    def _https_only(self, match: re.Match[str]) -> str:
        url = match.group().rstrip(").,;:!?'\"")
        rest = match.group()[len(url) :]
        if _HTTPS.fullmatch(url):
            return url.replace("@", "%40") + rest
        self.changes["lost links that are not https"] = None
        return _LINK_REMOVED + rest

    def _tame(self, text: str) -> str:
        """In backticks: what notifies people or refers to issues. No other backtick stays, so none can undo ours."""
        loose = _WRAPPED.sub(r"\1", text).replace("`", "'")
        tamed = _ACTING.sub(_in_backticks, loose)
        tamed = re.sub(r"(?<=[\\`])(`[^`\s]+`)", r" \1", tamed)
        if tamed != loose:
            self.changes["has mentions and references in backticks"] = None
        return tamed

    def _short(self, text: str) -> str:
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.split("\n"))).strip()
        if len(text) <= self.limit:
            return text
        self.changes["was shortened"] = None
        return _shortened(text, self.limit)

    def _counted(self, pattern: re.Pattern[str], by: _By, text: str, *, finding: str = "", change: str = "") -> str:
        result, count = pattern.subn(by, text)
        if count and finding:
            self.findings[finding] = None
        if count and change:
            self.changes[change] = None
        return result


def _without_comments(text: str) -> str:
    """Comments are dropped; of one that never ends only the opening is, so that its text comes to light."""
    first, *rest = text.split("<!--")
    parts = [first]
    for part in rest:
        _, end, after = part.partition("-->")
        parts.append(f" {after}" if end else f" {part}")
    return "".join(parts)


def _without_scripts(text: str) -> str:
    parts, position = [], 0
    lower = text.lower()
    for match in _SWALLOWING.finditer(text):
        if match.start() < position:
            continue
        end = lower.find(f"</{match[1].lower()}", match.end())
        if end < 0:
            break
        parts.append(text[position : match.start()])
        position = end
    return "".join(parts) + text[position:]


def _without_tag(match: re.Match[str]) -> str:
    name = match[2].lower()
    if _INLINE.fullmatch(name):
        return ""
    return "\n" if _BLOCK.fullmatch(name) else f"({match[1]}{match[2]}{match[3]})"


def _plain_link(match: re.Match[str]) -> str:
    image, text, url = match[1], match[2].strip(), match[3]
    if image:
        return f"(image: {text})" if text else "(image)"
    shown = f"({url})" if _HTTPS.fullmatch(url) else _LINK_REMOVED
    return f"{text} {shown}" if text and text != url else url


def _in_backticks(match: re.Match[str]) -> str:
    return f"`{match.group()}`" if match["acts"] else match.group()


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    cut = text[: max(limit - 1, 0)]
    space = max(cut.rfind(" "), cut.rfind("\n"))
    if space > len(cut) * 3 // 4:
        cut = cut[:space]
    if cut.count("`") % 2:
        cut = cut[: cut.rfind("`")]
    return f"{cut.rstrip()}…"[:limit]


def _plain(text: str) -> str:
    """Letters, digits and spaces: the last resort for text that cannot be cleaned in a stable way."""
    kept = "".join(char if char.isalnum() or char in " \n," else " " for char in visible(text).text)
    return re.sub(r" {2,}", " ", unicodedata.normalize("NFC", kept)).strip()
