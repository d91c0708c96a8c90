# Two commands are all a newcomer types: `make demo` and `make test`.
# Every target sets up what it needs, from nothing but python3 (3.11 or newer) with venv, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
# Extra words for pytest, as in: make test PYTEST="-k plan -x"
PYTEST ?=

# uv does not read pip's settings: a mirror or a certificate that the machine's pip uses is handed on.
pip-setting = $(shell $(BIN)/python -m pip config list 2>/dev/null | sed -n "s/^[^=]*\.$(1)='\(.*\)'$$/\1/p" | head -n 1)
with-pip-settings = INDEX="$(call pip-setting,index-url)"; CERT="$(call pip-setting,cert)"; \
	[ -z "$$INDEX" ] || export UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$INDEX}"; \
	[ -z "$$CERT" ] || export SSL_CERT_FILE="$${SSL_CERT_FILE:-$$CERT}";
# The tests start hundreds of programs: what they import is compiled once, whatever the machine prefers.
unexport PYTHONDONTWRITEBYTECODE
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy
export UV_HTTP_TIMEOUT ?= 120

# A lock holds what the public registry says, whatever mirrors this machine is set up with.
PUBLIC := env -u UV_INDEX -u UV_INDEX_URL -u UV_EXTRA_INDEX_URL -u UV_DEFAULT_INDEX -u UV_FIND_LINKS
COMPILE := $(PUBLIC) $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate --no-emit-index-url $(UPGRADE)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo test lint format integration bench docs lock changelog release clean

help: ## List what can be made.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r target words; do \
		printf '  make %-12s %s\n' "$$target" "$$words"; done

venv: $(STAMP) ## Set up .venv with the pinned packages and Enamel itself (.venv/bin/enamel).

demo: $(STAMP) ## Boot three servers on the built-in cloud, show them, and clean up.
	@$(BIN)/python -m enamel.cli.demo

# The tests wait more than they compute, so six run beside each other; with one seed for hashes, their names are the same
# in all processes, sets in them included. Their files are in memory where there is room: every commit of a store is synced.
IN_MEMORY := $(shell [ "$$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)" -gt 4000000 ] 2>/dev/null && echo TMPDIR=/dev/shm)
# What is measured, see docs/development/testing.md: not by tracing, which would double the processor time of every test.
MEASURED := src/enamel/commands,src/enamel/flow,src/enamel/store
test: $(STAMP) ## Check style, types and floors, then run the tests that need no other service.
	@mkdir -p build
	@# While one processor checks the types, another one compiles the tests: all processes would do so at once.
	@$(BIN)/python -m pytest --collect-only -q >/dev/null 2>&1 & $(MAKE) --no-print-directory lint && wait
	$(IN_MEMORY) PYTHONHASHSEED=0 $(BIN)/python -m slipcover --source $(MEASURED) --json --out build/coverage.json \
		-m pytest -m "not lab and not integration" -n 6 $(PYTEST)
	@$(if $(strip $(PYTEST)),echo "No coverage report: only a part of the tests was run.",$(BIN)/python -m tools.coverage)

lint: $(STAMP) ## Check style, types and the order of the floors.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(STAMP) ## Bring the code into the one format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

integration: $(STAMP) ## Run the tests that need real services, starting these first.
	@tests/integration/run $(PYTEST)

bench: $(STAMP) ## Measure launching, reading and waiting, beside openstacksdk and others.
	@$(BIN)/python -m benchmarks

docs: $(STAMP) ## Write the reference pages anew from the code.
	$(BIN)/python -m tools.reference
	$(BIN)/python -m tools.eras

lock: $(BIN)/uv ## Pin all packages anew with their hashes (UPGRADE=--upgrade takes newer ones).
	$(COMPILE) --group bootstrap -o requirements/uv.txt
	$(COMPILE) --all-extras pyproject.toml -o requirements/run.txt
	$(COMPILE) -c requirements/run.txt --group build -o requirements/build.txt
	$(COMPILE) -c requirements/uv.txt -c requirements/run.txt -c requirements/build.txt --all-extras pyproject.toml --group dev -o requirements/dev.txt

# make changelog VERSION=0.2.0
VERSION ?= next
changelog: $(STAMP) ## Show what the notes of the next release say.
	@$(BIN)/towncrier build --draft --version $(VERSION)

release: $(STAMP) ## Write the notes of a release and build its packages, as in: make release VERSION=0.2.0
	@$(BIN)/python -m tools.release $(VERSION)

clean: ## Remove .venv and everything else that was made here.
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist build
	find src tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements/dev.txt pyproject.toml | $(BIN)/uv
	@echo "Installing the pinned packages in $(VENV) …" >&2
	@$(with-pip-settings) $(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	@echo "Installing Enamel itself …" >&2
	@$(BIN)/uv pip install --quiet --offline --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "Ready: $(BIN)/enamel" >&2

$(BIN)/uv: | $(BIN)/python
	@echo "Installing uv …" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Enamel needs Python 3.11 or newer, and $(PYTHON) is not: name one, as in make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments here: install its venv package (Debian: apt install python3-venv)" >&2; \
		exit 1; }
	@echo "Setting up $(VENV), which takes about a minute. It is done once." >&2
	@$(PYTHON) -m venv $(VENV)
