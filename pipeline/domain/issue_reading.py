"""What an issue says, read without a model: its own text, a summary, topics, indicators, urgency, kind of content.

Our own sections except Discovery are left out, so that an assessment is never made from an earlier assessment. Every
expression here is linear in the text, and the text is bounded: it may be hostile.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.domain.classification import IssueText, Urgency
from pipeline.domain.cleaning import one_line
from pipeline.domain.sections import ORDER, read_section, remove_section

MAX_TEXT = 65_536  # characters
MAX_SUMMARY = 400
MAX_TOPICS = 8
MAX_INDICATORS = 20

_WORD = re.compile(r"[^\W_]+")
_COMMENT = re.compile(r"<!--(?:.*?-->|.*\Z)", re.DOTALL)
_URL = re.compile(r"\b(?:https?|hxxps?)://\S{1,2000}", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_MARKUP = re.compile(r"^[ \t]*(?:[>#*+-]+[ \t]+|\d{1,3}[.)][ \t]+|[>]+[ \t]*$|[-*_]{3,}[ \t]*$)+", re.MULTILINE)

# fmt: off
_COMMON = frozenset({
    "about", "above", "after", "again", "against", "all", "also", "and", "any", "are", "around", "based", "because",
    "been", "before", "being", "below", "between", "both", "but", "can", "could", "does", "down", "during", "each",
    "every", "few", "first", "for", "found", "from", "further", "had", "has", "have", "here", "how", "https", "http",
    "into", "its", "itself", "just", "last", "like", "made", "make", "many", "may", "more", "most", "much", "must",
    "need", "needs", "new", "not", "now", "off", "once", "one", "only", "other", "our", "out", "over", "own", "page",
    "part", "per", "please", "said", "same", "see", "several", "she", "should", "since", "some", "still", "such",
    "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "three", "through",
    "too", "two", "under", "until", "use", "used", "uses", "using", "very", "was", "way", "well", "were", "what",
    "when", "where", "which", "while", "who", "why", "will", "with", "within", "without", "would", "year", "years",
    "you", "your", "www", "com", "org", "net", "html", "issue", "via", "whose",
})
_URGENT = frozenset({
    "urgent", "urgently", "immediate", "immediately", "emergency", "critical", "asap", "breach", "breached",
    "exploited", "outage", "ransomware", "escalate", "overdue",
})
_CALM = frozenset({"minor", "cosmetic", "typo", "someday", "nit", "whenever", "trivial", "routine"})
_NEGATIONS = frozenset({"not", "no", "non", "isn", "never", "without", "nothing"})
_URGENT_PHRASES = ("zero day", "0 day", "in the wild", "right away", "as soon as possible", "high priority")
_CALM_PHRASES = ("low priority", "nice to have", "no rush", "not urgent", "when time allows")
_CONTENT_TYPES: tuple[tuple[str, frozenset[str]], ...] = (
    ("advisory", frozenset({"cve", "advisory", "vulnerability", "patch", "exploit", "cvss"})),
    ("documentation", frozenset({"documentation", "docs", "readme", "guide", "tutorial", "manual", "typo"})),
    ("profile", frozenset({"profile", "biography", "background", "company", "founder", "ceo", "entity"})),
    ("source code", frozenset({"code", "repository", "commit", "function", "library", "api", "refactor", "release"})),
    ("report", frozenset({"report", "analysis", "study", "assessment", "survey", "findings", "whitepaper"})),
    ("news", frozenset({"announced", "announces", "news", "today", "yesterday", "reported", "spokesperson"})),
    ("question", frozenset({"question", "wondering", "anyone", "clarify"})),
)
# Endings of file names that are, or look like, top-level domains.
_FILE_ENDINGS = frozenset({
    "md", "py", "js", "ts", "rs", "go", "rb", "sh", "pl", "cs", "cc", "so", "ps", "txt", "html", "htm", "php", "json",
    "yml", "yaml", "toml", "xml", "csv", "pdf", "png", "jpg", "jpeg", "gif", "svg", "zip", "gz", "tar", "exe", "dll",
    "doc", "docx", "xls", "xlsx", "ini", "cfg", "conf", "log", "lock", "java", "cpp", "css", "scss", "sql", "rst",
    "bat", "jar", "apk", "iso", "bin", "tmp", "bak", "example's",
})
# fmt: on
_OFTEN_MEANT_AS_PLACE = frozenset({"github.com", "gitlab.com", "docs.github.com", "www.github.com"})

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?<![\w@.-])(?:{_LABEL}\.){{1,6}}[a-z]{{2,18}}(?![\w@-])", re.IGNORECASE)
_EMAIL = re.compile(rf"(?<![\w.+-])[\w.+-]{{1,64}}@((?:{_LABEL}\.){{1,6}}[a-z]{{2,18}})\b", re.IGNORECASE)
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]?\d)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])", re.IGNORECASE)
_CVE = re.compile(r"\bCVE-\d{4}-\d{4,7}\b", re.IGNORECASE)
_HASH = re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})\b", re.IGNORECASE)
_DEFANGED_DOT = re.compile(r"\[\.\]|\(\.\)|\[dot\]|\{\.\}", re.IGNORECASE)
_DEFANGED_AT = re.compile(r"\[at\]|\[@\]|\(at\)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """The parts of an issue that may be judged. `excerpt` is what was found, `rest` what people wrote around it."""

    title: str
    excerpt: str
    rest: str

    @property
    def body(self) -> str:
        return f"{self.excerpt}\n{self.rest}"


def read(issue: IssueText) -> Reading:
    """Title and text without our sections (Discovery gives only its quotation), comments and what is beyond 64k."""
    discovery = read_section(issue.body[:MAX_TEXT], "Discovery") or ""
    rest = issue.body[:MAX_TEXT]
    for heading in ORDER:
        rest = remove_section(rest, heading)
    quoted = [line.lstrip("> ") for line in discovery.splitlines() if line.startswith(">")]
    excerpt = "\n".join(quoted) if quoted else discovery
    return Reading(_shown(issue.title[:1000]), _shown(excerpt), _shown(rest))


def words(text: str) -> list[str]:
    """Lower-case words without plural endings; addresses are left out, because their words repeat the title."""
    return [singular(word) for word in _WORD.findall(_URL.sub(" ", text).lower())]


def singular(word: str) -> str:
    """Light stemming: only plurals. Short words and endings that are no plurals stay as they are."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zes")):
        return word[:-2]
    return word[:-1]


def summary(reading: Reading) -> str:
    """The first sentences of what was found, of what people wrote, or the title; safe to quote."""
    for text in (reading.excerpt, reading.rest):
        flat = " ".join(_MARKUP.sub("", text[:4000]).split())
        if len(flat) >= 20:
            return one_line(_first_sentences(flat), MAX_SUMMARY)
    return one_line(reading.title, MAX_SUMMARY)


def topics(reading: Reading, matched: Iterable[str]) -> tuple[str, ...]:
    """The words by which a workflow was found, then the most frequent other ones; ties in order of appearance."""
    counts = Counter[str]()
    for weight, text in ((3, reading.title), (1, reading.body)):
        for word in words(text):
            if len(word) > 3 and word not in _COMMON and not word.isdigit():
                counts[word] += weight
    frequent = [word for word, count in counts.most_common(4 * MAX_TOPICS) if count > 1]
    chosen: list[str] = []
    for topic in [*matched, *frequent]:
        known = {part for other in chosen for part in words(other)}
        if topic and not set(words(topic)) <= known:
            chosen.append(one_line(topic, 60))
    return tuple(chosen[:MAX_TOPICS])


def indicators(reading: Reading) -> tuple[str, ...]:
    """CVE numbers, hashes, addresses, mail addresses and domains in the text, each once, defanged."""
    text = _DEFANGED_AT.sub("@", _DEFANGED_DOT.sub(".", f"{reading.title}\n{reading.body}"))
    mails = [(found[0], found[1].lower()) for found in _EMAIL.finditer(text)]
    found = [
        *(match[0].upper() for match in _CVE.finditer(text)),
        *(match[0].lower() for match in _HASH.finditer(text)),
        *(defanged(match[0]) for match in _IPV4.finditer(text) if _is_address(match[0])),
        *(defanged(match[0].lower()) for match in _IPV6.finditer(text) if _is_address(match[0])),
        *(defanged(mail) for mail, domain in mails if _is_domain(domain)),
        *(defanged(match[0].lower()) for match in _DOMAIN.finditer(text) if _is_domain(match[0].lower())),
    ]
    return tuple(dict.fromkeys(found))[:MAX_INDICATORS]


def defanged(indicator: str) -> str:
    """Not clickable and not a mention, in a form that analysts know how to read."""
    if "@" in indicator:
        return indicator.replace("@", "[at]").replace(".", "[.]")
    head, dot, tail = indicator.rpartition(".")
    return f"{head}[.]{tail}" if dot else indicator.replace(":", "[:]", 1)


def urgency(reading: Reading, labels: Iterable[str]) -> Urgency:
    """From words that say so and are not negated; somebody's label goes before them."""
    named = {word for label in labels for word in _WORD.findall(label.lower())}
    if named & {"urgent", "critical", "p0", "p1"} or {"priority", "high"} <= named:
        return Urgency.HIGH
    if {"priority", "low"} <= named:
        return Urgency.LOW
    said = _WORD.findall(f"{reading.title}\n{reading.body}".lower())
    line = f" {' '.join(said)} "
    if any(f" {phrase} " in line for phrase in _CALM_PHRASES):
        return Urgency.LOW
    if any(f" {phrase} " in line for phrase in _URGENT_PHRASES) or _says(said, _URGENT):
        return Urgency.HIGH
    return Urgency.LOW if _says(said, _CALM) else Urgency.NORMAL


def content_type(reading: Reading) -> str:
    """A guess by the words of each kind, the title counting three times; "article" when nothing points anywhere."""
    counts = Counter(words(reading.body))
    for word in words(reading.title):
        counts[word] += 3
    scores = [(sum(min(counts[singular(word)], 4) for word in kind_words), name) for name, kind_words in _CONTENT_TYPES]
    best, name = max(scores, key=lambda score: score[0])
    if reading.title.rstrip().endswith("?") and best < 4:
        return "question"
    return name if best >= 2 else "article"


def _shown(text: str) -> str:
    return _COMMENT.sub(" ", text)


def _first_sentences(text: str) -> str:
    chosen = ""
    for sentence in _SENTENCE.split(text):
        if chosen and len(chosen) + len(sentence) >= MAX_SUMMARY:
            break
        chosen = f"{chosen} {sentence}".strip()
        if chosen.count(". ") >= 2:
            break
    return chosen


def _says(said: list[str], wanted: frozenset[str]) -> bool:
    for position, word in enumerate(said):
        if word in wanted and not _NEGATIONS & set(said[max(position - 2, 0) : position]):
            return True
    return False


def _is_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def _is_domain(domain: str) -> bool:
    ending = domain.rpartition(".")[2]
    return ending not in _FILE_ENDINGS and domain not in _OFTEN_MEANT_AS_PLACE and not ending.isdigit()
