"""The reference pages, written from the code so that they cannot disagree with it.

Each module here writes one page. `make docs` writes them all; the tests in `tests/docs` fail while a page is behind
its code.
"""
