import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.markers import find, sign, strip

SECRET = b"a secret of this installation"
KEYS = st.from_regex(r"\A[a-z][a-z0-9:./]{0,40}[a-z0-9]\Z")


@given(KEYS, st.text(), st.text())
def test_marker_in_any_text_is_found_by_its_secret_only(key: str, before: str, after: str) -> None:
    text = f"{before}{sign(key, SECRET)}{after}"
    assert key in find(text, SECRET)
    assert find(text, b"another") == ()


@given(KEYS, KEYS)
def test_signature_moved_to_another_key_is_not_valid(key: str, other: str) -> None:
    if key != other:
        assert find(sign(key, SECRET).replace(f"cp:{key}:", f"cp:{other}:"), SECRET) == ()


@given(st.text(alphabet=st.sampled_from("<!- cp:abcdef0123456789>")))
def test_hostile_text_never_forges_a_marker(text: str) -> None:
    assert find(text, SECRET) == ()


def test_several_markers_are_returned_in_order_each_once() -> None:
    text = sign("item:2", SECRET) + "text" + sign("item:1", SECRET) + sign("item:2", SECRET)
    assert find(text, SECRET) == ("item:2", "item:1")


@pytest.mark.parametrize("text", ["<!-- cp:x:y -->", "<!--CP:anything here-->", "<!-- c<!-- cp:a:b -->p:x:y -->"])
def test_strip_removes_whatever_looks_like_a_marker(text: str) -> None:
    assert "cp:" not in strip(f"a{text}b")


@pytest.mark.parametrize("key", ["", "a b", "a--b", "a-->", "<a>", "a\nb", ":a", "x" * 400])
def test_key_that_would_break_the_comment_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="A marker's key"):
        sign(key, SECRET)


def test_empty_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="empty secret"):
        sign("a", b"")


def test_signature_is_128_bits_and_stable() -> None:
    assert sign("effect:1", b"k") == "<!-- cp:effect:1:" + sign("effect:1", b"k")[17:49] + " -->"
