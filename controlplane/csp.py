"""The content security policy: scripts of ours only, each inline one with the page's nonce."""

from __future__ import annotations

from csp.constants import NONCE, NONE, SELF

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src-elem": [SELF, NONCE],
        # The admin's progress bars, avatars and x-bind:style set style attributes; they cannot carry a nonce.
        "style-src-attr": ["'unsafe-inline'"],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
