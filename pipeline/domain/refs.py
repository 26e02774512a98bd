"""Names of branches and paths of files that Git, GitHub and every checkout accept, and that stay where they belong."""

from __future__ import annotations

import re
import unicodedata

MAX_BRANCH = 200  # characters; GitHub takes 255 bytes
MAX_PATH = 200

_BRANCH = re.compile(r"[A-Za-z0-9._/+=@-]+")
_PATH_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+=@#()-]*")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)


def slug(text: str, limit: int = 40) -> str:
    """Lower-case ASCII words joined by hyphens, "" if there are none; for names that we choose."""
    folded = unicodedata.normalize("NFKD", text[: 8 * limit]).encode("ascii", "ignore").decode().lower()
    joined = re.sub(r"[^a-z0-9]+", "-", folded).strip("-")
    if len(joined) <= limit:
        return joined
    cut = joined[:limit]
    return (cut.rsplit("-", 1)[0] if "-" in cut and joined[limit] != "-" else cut).strip("-")


def branch_problem(name: str) -> str:
    """Why Git or GitHub would refuse `name` as a branch, "" if they would not (git check-ref-format, in ASCII)."""
    if not name or len(name) > MAX_BRANCH:
        return f"it must have 1 to {MAX_BRANCH} characters"
    if not _BRANCH.fullmatch(name):
        return "it may hold letters, digits and ._/+=@- only"
    parts = name.split("/")
    if any(not part for part in parts):
        return "it may not begin or end with a slash or hold two in a row"
    if any(part.startswith((".", "-")) or part.endswith((".", ".lock")) for part in parts):
        return "no part may begin with a dot or hyphen or end with a dot or .lock"
    if ".." in name or name == "@" or parts[0].lower() == "refs":
        return "it may not hold two dots in a row, be @ or begin with refs/"
    if re.fullmatch(r"[0-9a-fA-F]{40}", name):
        return "it may not look like a commit"
    return ""


def path_problem(path: str) -> str:
    """Why `path` may not be written in a repository, "" if it may: relative, without tricks, nothing hidden."""
    if not path or len(path) > MAX_PATH:
        return f"it must have 1 to {MAX_PATH} characters"
    if path.startswith(("/", "~")) or re.match(r"[A-Za-z]:", path):
        return "it must be relative to the repository"
    for part in path.split("/"):
        if part in ("", ".", ".."):
            return "it may not hold . or .. or an empty part"
        if part.startswith("."):
            return "no part may be hidden (.git, .github and the like)"
        if not _PATH_PART.fullmatch(part) or part.endswith((" ", ".")) or _DEVICES.fullmatch(part):
            return f"the part {part[:60]!r} is not a plain file name (letters, digits, spaces and ._+=@#()-)"
    return ""
