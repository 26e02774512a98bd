"""Git objects as git makes them, and the refs of a repository."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime

from sandbox.errors import Refusal, not_found
from sandbox.model import Commit, GitStore

Files = dict[str, bytes | None]  # None deletes
FILE_MODE = "100644"
TREE_MODE = "040000"


def _hash(kind: str, content: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


def put_blob(store: GitStore, content: bytes) -> str:
    sha = _hash("blob", content)
    store.blobs.setdefault(sha, base64.b64encode(content).decode())
    return sha


def blob(store: GitStore, sha: str) -> bytes:
    if sha not in store.blobs:
        raise not_found()
    return base64.b64decode(store.blobs[sha])


def put_tree(store: GitStore, entries: dict[str, list[str]]) -> str:
    """`entries`: name → [mode, type, sha]."""
    ordered = dict(sorted(entries.items(), key=lambda item: item[0] + ("/" if item[1][1] == "tree" else "")))
    parts = [f"{mode.lstrip('0')} {name}\0".encode() + bytes.fromhex(sha) for name, (mode, _, sha) in ordered.items()]
    sha = _hash("tree", b"".join(parts))
    store.trees.setdefault(sha, ordered)
    return sha


def with_files(store: GitStore, tree: str | None, files: Files) -> str:
    """A tree like `tree` with `files` put in or taken out; folders left empty go too."""
    entries = dict(store.trees.get(tree, {})) if tree else {}
    below: dict[str, Files] = {}
    for path, content in files.items():
        head, slash, rest = path.partition("/")
        if slash:
            below.setdefault(head, {})[rest] = content
        elif content is None:
            entries.pop(head, None)
        else:
            entries[head] = [FILE_MODE, "blob", put_blob(store, content)]
    for name, inner in below.items():
        held = entries.get(name)
        sha = with_files(store, held[2] if held and held[1] == "tree" else None, inner)
        if store.trees[sha]:
            entries[name] = [TREE_MODE, "tree", sha]
        else:
            entries.pop(name, None)
    return put_tree(store, entries)


def listing(store: GitStore, tree: str, prefix: str = "") -> dict[str, str]:
    """Every file below a tree: path → blob sha."""
    found: dict[str, str] = {}
    for name, (_, kind, sha) in store.trees.get(tree, {}).items():
        path = f"{prefix}{name}"
        found |= listing(store, sha, f"{path}/") if kind == "tree" else {path: sha}
    return found


def entry(store: GitStore, tree: str, path: str) -> tuple[str, str] | None:
    """(type, sha) of what lies at a path; the empty path is the tree itself."""
    kind, sha = "tree", tree
    for name in [part for part in path.split("/") if part]:
        held = store.trees.get(sha, {}).get(name) if kind == "tree" else None
        if held is None:
            return None
        kind, sha = held[1], held[2]
    return kind, sha


def commit(store: GitStore, tree: str, parents: list[str], message: str, author: str, at: datetime) -> str:
    when = f"{author} <{author}@users.noreply.github.com> {int(at.timestamp())} +0000"
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {when}", f"committer {when}", ""]
    sha = _hash("commit", ("\n".join(lines) + "\n" + message).encode())
    store.commits.setdefault(sha, Commit(sha, tree, parents, message, author, at))
    return sha


def head(store: GitStore, branch: str) -> Commit:
    sha = store.refs.get(f"heads/{branch}")
    if sha is None:
        raise not_found()
    return store.commits[sha]


def resolve(store: GitStore, name: str) -> Commit:
    """A branch, full ref or commit sha."""
    for ref in (f"heads/{name}", name.removeprefix("refs/")):
        if ref in store.refs:
            return store.commits[store.refs[ref]]
    if name not in store.commits:
        raise not_found()
    return store.commits[name]


def check_ref(ref: str) -> str:
    """`refs/heads/x` as `heads/x`."""
    short = ref.removeprefix("refs/")
    bad = any(mark in short for mark in (" ", "..", "~", "^", ":", "?", "*", "[", "\\", "//", "@{"))
    if short == ref or short.count("/") < 1 or bad or short.endswith(("/", ".", ".lock")):
        raise Refusal(422, f"{ref} is not a valid ref name.")
    return short


def check_path(path: str) -> str:
    """A path inside the repository."""
    parts = path.split("/")
    if not path or "" in parts or {".", "..", ".git"} & set(parts):
        raise Refusal(422, "tree.path contains a malformed path component")
    return path


def create_ref(store: GitStore, ref: str, sha: str) -> str:
    short = check_ref(ref)
    if short in store.refs:
        raise Refusal(422, "Reference already exists")
    if sha not in store.commits:
        raise Refusal(422, "Object does not exist")
    store.refs[short] = sha
    return short


def ancestors(store: GitStore, sha: str) -> list[str]:
    """`sha` and all before it, newest first."""
    seen: dict[str, None] = {}
    queue = [sha]
    while queue:
        current = queue.pop(0)
        if current not in seen and current in store.commits:
            seen[current] = None
            queue += store.commits[current].parents
    return sorted(seen, key=lambda item: store.commits[item].created_at, reverse=True)


def ahead(store: GitStore, base: str, head_sha: str) -> list[Commit]:
    """Commits of `head_sha` that `base` lacks, oldest first."""
    known = set(ancestors(store, base))
    return [store.commits[sha] for sha in reversed(_topological(store, head_sha)) if sha not in known]


def merge_base(store: GitStore, one: str, other: str) -> str | None:
    known = set(ancestors(store, other))
    return next((sha for sha in _topological(store, one) if sha in known), None)


def changed(store: GitStore, base: str | None, head_sha: str) -> dict[str, tuple[str | None, str | None]]:
    """Files that differ between two commits: path → (blob before, blob after)."""
    before = listing(store, store.commits[base].tree) if base else {}
    after = listing(store, store.commits[head_sha].tree)
    paths = sorted(before.keys() | after.keys())
    return {path: (before.get(path), after.get(path)) for path in paths if before.get(path) != after.get(path)}


def _topological(store: GitStore, sha: str) -> list[str]:
    """`sha` first, every commit before its parents."""
    order: list[str] = []
    seen: set[str] = set()
    stack: list[tuple[str, bool]] = [(sha, False)]
    while stack:
        current, finished = stack.pop()
        if finished:
            order.append(current)
        elif current not in seen and current in store.commits:
            seen.add(current)
            stack.append((current, True))
            stack += [(parent, False) for parent in store.commits[current].parents]
    return order[::-1]
