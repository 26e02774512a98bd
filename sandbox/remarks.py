"""What the sandbox's Copilot says about its work besides doing it: (comment or review, text)."""

from __future__ import annotations

REMARKS = (
    (
        "comment",
        "Done. The objective and the acceptance criteria were clear; I kept to the structure that the guidance gives.",
    ),
    (
        "comment",
        "I filled in every deliverable. One requirement is unclear: the guidance does not say which period the "
        "timeline has to cover, so I assumed the last 30 days. Please clarify if that is wrong.",
    ),
    (
        "review",
        "Two instructions contradict each other: the acceptance criteria ask for primary sources only, the required "
        "actions ask to add commentary. I followed the acceptance criteria.",
    ),
    (
        "comment",
        "The source document was not attached and the link is dead, so I worked from the excerpt in the issue. The "
        "sections that need the full text are marked.",
    ),
    (
        "comment",
        "I could not reach the feed: access was denied by the firewall. What depends on it is marked as open.",
    ),
    (
        "review",
        "The link check still fails on two references. I could not reproduce that here; the test may be too strict.",
    ),
    (
        "comment",
        "This issue covers several separate subjects. It is too large for one pull request; I finished the first part "
        "and suggest splitting the rest.",
    ),
)
