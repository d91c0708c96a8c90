"""No module of Enamel imports, over others, itself: each can be read and tested after those that it imports."""

import graphlib

import grimp

# What import-linter checks is the order of the floors; circles inside a floor are checked here. An import under
# `TYPE_CHECKING` counts like any other: whoever reads the one module has to read the other as well.


def test_no_import_closes_a_circle() -> None:
    graph = grimp.build_graph("enamel", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(imports) > 100
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        circle: list[str] = error.args[1]
        raise AssertionError("These import each other: " + " <- ".join(circle)) from None
