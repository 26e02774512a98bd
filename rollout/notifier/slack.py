"""A Slack-shaped incoming webhook. Titles and names come from outside: nothing in them may notify or link."""

from __future__ import annotations

import requests

from rollout.notifier.port import Message, NotSetUp, Rejected, TryLater

TIMEOUT_SECONDS = 10
MOST_CHARACTERS = 39_000  # Slack takes 40,000
RETRY = frozenset({408, 425, 429})
INVISIBLE = "\u200b"


def escaped(text: str) -> str:
    """`<!channel>`, `<@U1>` and `<https://…|text>` are made with `<`; a bare @here acts only for some settings."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for word in ("@here", "@channel", "@everyone"):
        plain = plain.replace(word, f"@{INVISIBLE}{word[1:]}")
    return plain


class Slack:
    """`url` is a secret: it never shows in an error."""

    def __init__(self, url: str, *, timeout: int = TIMEOUT_SECONDS) -> None:
        self._url = url
        self._timeout = timeout

    def send(self, message: Message) -> None:
        if not self._url:
            raise NotSetUp("Slack is not set up: SLACK_WEBHOOK_URL is empty.")
        text = f"*{escaped(message.subject)}*\n{escaped(message.body)}"
        if len(text) > MOST_CHARACTERS:
            text = f"{text[:MOST_CHARACTERS]}\n… (cut)"
        payload = {"text": text, "parse": "none", "link_names": 0, "unfurl_links": False, "unfurl_media": False}
        try:
            answer = requests.post(self._url, json=payload, timeout=self._timeout, allow_redirects=False)
        except requests.RequestException as error:
            raise TryLater(f"Slack did not answer ({type(error).__name__}).") from None
        _check(answer)


def _check(answer: requests.Response) -> None:
    if answer.status_code == 200:
        return
    said = f"Slack answered {answer.status_code}: {answer.text.strip()[:100] or 'nothing'}."
    if answer.status_code >= 500 or answer.status_code in RETRY:
        raise TryLater(said)
    raise Rejected(f"{said} Check SLACK_WEBHOOK_URL and the channel.")
