"""The demonstration repository, its people and its tokens."""

from __future__ import annotations

from sandbox import git
from sandbox.model import ActionsWorkflow, Label, Repository, Token
from sandbox.world import World

USER_TOKEN = "sandbox-user-token"  # noqa: S105 - opens nothing but the sandbox
APP_TOKEN = "sandbox-app-token"  # noqa: S105 - opens nothing but the sandbox
OPERATOR = "olivia-operator"
REVIEWER = "rosa-reviewer"
APP = "control-plane[bot]"
DEMO = ("demo", "field-notes")

README = """# Field notes

Reports, profiles and reviews that a small research team keeps in the open. Sources are watched automatically;
what they publish becomes an issue, and the work on it lands in `reports/` through pull requests.
"""
WATCH_WORKFLOW = """name: Site watch
on:
  schedule:
    - cron: "0 */6 * * *"
  workflow_dispatch: {}
jobs:
  watch:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: python tools/watch.py
"""
LABELS = (
    ("bug", "d73a4a", "Something isn't working"),
    ("documentation", "0075ca", "Improvements or additions to documentation"),
    ("duplicate", "cfd3d7", "This issue or pull request already exists"),
    ("enhancement", "a2eeef", "New feature or request"),
    ("question", "d876e3", "Further information is requested"),
)


def demonstration(world: World) -> Repository:
    """`demo/field-notes` with a README, an Actions workflow on a schedule, and tokens for a user and an app."""
    add_token(world, USER_TOKEN, "demo user", OPERATOR, "user", ["repo", "workflow"])
    add_token(world, APP_TOKEN, "demo app", APP, "installation", [])
    files = {"README.md": README, ".github/workflows/site-watch.yml": WATCH_WORKFLOW}
    return add_repository(world, *DEMO, files=files, description="A research team's notes (demonstration)")


def add_token(world: World, value: str, name: str, owner: str, kind: str, scopes: list[str]) -> Token:
    world.account(owner)
    world.state.tokens[value] = Token(value, name, owner, kind, scopes)
    world.touch()
    return world.state.tokens[value]


def add_repository(
    world: World, owner: str, name: str, *, files: dict[str, str] | None = None, description: str = ""
) -> Repository:
    """A repository with one commit on main; workflow files become Actions workflows."""
    repository = Repository(world.next_id(), owner, name, world.now(), description)
    repository.collaborators = [owner, OPERATOR, REVIEWER, APP]
    for login in repository.collaborators:
        world.account(login)
    content = {path: text.encode() for path, text in (files or {"README.md": f"# {name}\n"}).items()}
    tree = git.with_files(repository.git, None, dict(content))
    sha = git.commit(repository.git, tree, [], "Initial commit", owner, world.now())
    repository.git.refs["heads/main"] = sha
    repository.labels = [Label(world.next_id(), label, color, text, True) for label, color, text in LABELS]
    for path in content:
        if path.startswith(".github/workflows/"):
            title = path.rsplit("/", 1)[1].rsplit(".", 1)[0].replace("-", " ").capitalize()
            repository.workflows.append(ActionsWorkflow(world.next_id(), title, path, world.now()))
    world.state.repositories[repository.full_name.lower()] = repository
    world.touch()
    return repository
