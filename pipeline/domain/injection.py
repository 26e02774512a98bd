"""Phrases by which text tries to become instructions. A hit never blocks by itself: it asks for a person.

A list of phrases catches the careless only. What really holds is elsewhere: models get no tools and answer to a schema,
and text that reaches the coding agent is a marked quotation.
"""

from __future__ import annotations

import re
import unicodedata

_AGENT = r"(?:copilot|coding agent|ai agent|the agent|assistant|language model|llm|bot)"
_RULES = r"(?:instruction|prompt|rule|guideline|directive|guardrail|restriction|command)s?"
_BEFORE = r"(?:previous|prior|above|earlier|preceding|foregoing|existing|original|system|safety|all|any|your|the|these)"
_PRIVATE = r"(?:secret|api[ _-]?key|token|credential|password|private key|environment variable|env var)s?"

_PHRASES: tuple[tuple[str, str], ...] = (
    (
        "asks to ignore earlier instructions",
        rf"\b(?:ignore|disregard|forget|override|bypass|skip|drop)\b(?:\W+\w+){{0,3}}?\W+{_BEFORE}(?:\W+\w+){{0,3}}?\W+{_RULES}\b"
        r"|\bignorier\w*\W+(?:\w+\W+){0,3}anweisung|\bignore[zr]?\W+(?:\w+\W+){0,3}instructions?\W+pr[eé]c[eé]dent"
        r"|\bignor[ae]\W+(?:\w+\W+){0,3}instruc",
    ),
    (
        "claims to give new instructions or a new role",
        rf"\bnew\W+{_RULES}\W*:|\byou are (?:now|no longer)\b|\bfrom now on,? you\b|\bpretend (?:to be|that you)\b"
        r"|\b(?:developer|dan|jailbreak|god) mode\b|\bact as (?:an? |the )?(?:unrestricted|root|admin|system)\b",
    ),
    (
        "contains role markers of a conversation with a model",
        r"(?m:^\W{0,6}(?:system|assistant|developer)(?: prompt| message)?\s*:)|<\|[a-z_]{2,20}\|>|\[/?inst\]|<</?sys>>"
        r"|</?(?:system|assistant|instructions?|system[-_ ]prompt|tool_call|function_call)>"
        r"|(?m:^\W{0,6}(?:begin|end|start of|end of) (?:system|instructions|prompt|quote|quotation|untrusted))",
    ),
    (
        "asks for secrets or the system prompt",
        rf"\b(?:reveal|print|show|send|post|leak|output|exfiltrate|dump|echo|include|upload|read)\b(?:\W+\w+){{0,5}}?\W+"
        rf"(?:{_PRIVATE}|system prompt)\b|/proc/self/environ|\bprocess\.env\b|\bgithub_token\b|\.ssh/id_",
    ),
    (
        "tells an agent to act outside its task",
        rf"\b{_AGENT}\b(?:\W+\w+){{0,4}}?\W+(?:must|should|shall|needs? to|has to|please|will now)\W+(?:\w+\W+){{0,2}}?"
        r"(?:run|execute|install|delete|remove|push|merge|approve|close|disable|commit|fetch|download|open|label|assign)\b"
        r"|\b(?:curl|wget)\b[^\n]{0,200}\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b|\brm\s+-rf\s+[/~*]|\bbase64\s+(?:-d|--decode)\b",
    ),
    (
        "asks to keep something from people",
        r"\b(?:do not|don't|never|without)\W+(?:tell|inform|mention|reveal|alert|notify)\w*\W+"
        r"(?:\w+\W+){0,4}?(?:user|human|reviewer|maintainer|anyone|anybody|operator|owner)s?\b",
    ),
    (
        "tells the classifier what to answer",
        r"\b(?:classify|label|categori[sz]e|tag|assign|route)\W+(?:this|the)\W+(?:issue|text|content|item)?\W*(?:\w+\W+){0,2}?as\b"
        r"|\b(?:set|return|output|answer|respond)\b(?:\W+\w+){0,4}?\W+(?:confidence|recommended workflow)\b",
    ),
    ("carries a long encoded block", r"(?<![\w/+=.-])[A-Za-z0-9+/]{220,}={0,2}(?![\w/+])"),
)
_COMPILED = tuple((sentence, re.compile(pattern, re.IGNORECASE)) for sentence, pattern in _PHRASES)

# Letters of other alphabets that look Latin: the usual way around a list of phrases.
_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁһԛԝոսցкмтвнАВЕКМНОРСТХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧοινατ",
    "aeopcyxijsdhqwnugkmtbhABEKMHOPCTXIJSABEZHIKMNOPTYXoivat",
)


def suspicions(text: str) -> tuple[str, ...]:
    """What in `text` looks like instructions to a model, a sentence part each; empty for ordinary text."""
    folded = unicodedata.normalize("NFKC", text).translate(_LOOKALIKES)
    bare = re.sub(r"[*_~`'\"]+", "", folded)
    return tuple(sentence for sentence, pattern in _COMPILED if pattern.search(folded) or pattern.search(bare))
