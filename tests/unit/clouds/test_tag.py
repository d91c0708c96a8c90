"""Tags in the metadata of servers on clouds that know none."""

from hypothesis import given
from hypothesis import strategies as st

from enamel.clouds.openstack.compute import tag

TAGS = st.lists(
    st.text(st.characters(exclude_characters=",/", codec="utf-8"), min_size=1, max_size=60),
    max_size=50,
    unique=True,
)


@given(TAGS)
def test_what_is_written_is_read_again(tags: list[str]) -> None:
    written = tag.written(tags)
    assert list(tag.read(written)) == tags
    assert all(len(text) <= tag.LONGEST for text in written.values())
    assert tag.without({**written, "enamel": "m", "enamel-tags-of-mine": "x"}) == {
        "enamel": "m",
        "enamel-tags-of-mine": "x",
    }
