import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.refs import branch_problem, path_problem, slug


@pytest.mark.parametrize("name", ["main", "workflow/osint/issue-12", "a.b_c", "feature/x+y=z", "v1.0"])
def test_plain_branch_names_are_accepted(name: str) -> None:
    assert branch_problem(name) == ""


@pytest.mark.parametrize(
    "name",
    ["", "/a", "a/", "a//b", ".a", "a/.b", "a.lock", "a/b.lock", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[b",
     "a\\b", "a.", "@", "-a", "a/-b", "refs/heads/a", "a\x07", "é", "a#b", "0" * 40, "x" * 201],
)  # fmt: skip
def test_branch_names_that_git_or_github_refuse_are_refused_here(name: str) -> None:
    assert branch_problem(name)


@given(st.text(alphabet="ab./-_@{~lock", min_size=1, max_size=12))
def test_whatever_is_accepted_is_accepted_by_git_too(name: str) -> None:
    if not branch_problem(name):
        assert _git_accepts(name)


def _git_accepts(name: str) -> bool:
    return (
        subprocess.run(["git", "check-ref-format", "--branch", name], capture_output=True, check=False).returncode == 0
    )


@pytest.mark.parametrize("path", ["a.md", "a/b c/d-1 (2).md", "analysis/issue-1/README.md"])
def test_plain_paths_are_accepted(path: str) -> None:
    assert path_problem(path) == ""


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../a", "a/../b", "a/./b", "a//b", "a/", ".github/workflows/x.yml", "a/.git/config", ".env",
     "~/a", "C:/a", "a\\b", "a\nb", "a\x00b", "con", "a/NUL.txt", "a ", "a.", "a:b", "a*b", "\u202ea", "x" * 201],
)  # fmt: skip
def test_paths_that_escape_hide_or_trick_are_refused(path: str) -> None:
    assert path_problem(path)


@given(st.text(max_size=200))
def test_slug_of_anything_is_short_and_plain(text: str) -> None:
    made = slug(text)
    assert len(made) <= 40
    assert not made or branch_problem(made) == ""
    assert slug(made) == made


def test_slug_is_cut_between_words() -> None:
    assert slug("Übergroße Häfen und Kräne im Vergleich der Länder") == "ubergroe-hafen-und-krane-im-vergleich"
