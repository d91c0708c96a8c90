"""Forms: made once for each thing, and never those of another."""

from enamel.service.resources import view_cache


def test_a_thing_is_formed_once() -> None:
    made: list[object] = []

    def form(thing: list[int]) -> tuple[int, ...]:
        made.append(thing)
        return tuple(thing)

    found = view_cache.ViewCache(form)
    first, equal = [1, 2], [1, 2]
    assert found.of(first) is found.of(first)
    assert found.of(equal) == (1, 2)
    assert len(made) == 2


def test_no_thing_is_given_the_form_of_one_that_is_gone() -> None:
    found = view_cache.ViewCache(lambda thing: tuple(thing))
    # Lists that are made and dropped in a row often have the same number.
    assert all(found.of([number]) == (number,) for number in range(3 * view_cache.MOST))
