# The commands a newcomer needs. Each sets up .venv by itself the first time.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready
READY_DEV := .venv/.ready-dev
READY_AUDIT := .venv/.ready-audit
READY_MUTATION := .venv/.ready-mutation

.PHONY: help demo app test test-fast browser check format bench docs audit mutation clean

help:
	@echo "make demo    draw five things in their places with the bundled model"
	@echo "make app     the web UI"
	@echo "make test    every test"
	@echo "make test-fast  the tests that need no drawing model and no browser"
	@echo "make check   format, lint, types, import directions, the Dockerfile"
	@echo "make bench   measure quality and cost against plain diffusers"
	@echo "make mutation  share of small changes to the pure modules that their tests notice"
	@echo "make audit   known vulnerabilities of all packages (asks osv.dev)"
	@echo "make docs    write docs/cli.md, settings.md, licences.md and modules.md anew"

demo: $(READY)
	@$(BIN)/python -m rpg demo

app: $(READY)
	@$(BIN)/python app.py

test: $(READY_DEV) browser
	$(BIN)/python -m pytest -n 2 --dist loadfile

# Which these are: tests/conftest.py.
test-fast: $(READY_DEV)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

# What the tests of the web UI click with: the system's browser, else one of Playwright's own.
browser: $(READY_DEV)
	@command -v chromium chromium-browser google-chrome >/dev/null || { \
	  echo "Installing Chromium for the tests of the web UI ..."; \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
	  $(BIN)/playwright install chromium; }

check: $(READY_DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/hadolint Dockerfile

format: $(READY_DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY_DEV)
	$(BIN)/python -m benchmarks.planner
	$(BIN)/python -m benchmarks.flops
	$(BIN)/python -m benchmarks.quality --quick

docs: $(READY)
	$(BIN)/python -m rpg.cli.reference > docs/cli.md
	$(BIN)/python -m rpg.cli.settings_page > docs/settings.md
	$(BIN)/python -m tools.licences > docs/licences.md
	$(BIN)/python -m tools.modules > docs/modules.md

# Exit codes of the command itself: 1 something is known, 3 the service could not be asked.
audit: $(READY_AUDIT)
	@$(BIN)/python -m tools.audit

# Survivors: `.venv/bin/mutmut results`, and `.venv/bin/mutmut show NAME` for one as a diff.
mutation: $(READY_MUTATION)
	rm -rf mutants
	OMP_NUM_THREADS=1 $(BIN)/mutmut run
	@$(BIN)/mutmut results --all true | sed -E 's/^ +//; s/\.x(_|ǁ)[^:]*//' | sort | uniq -c

clean:
	rm -rf .venv mutants out build dist *.egg-info

$(READY): requirements.txt
	@echo "Setting up .venv: about 1 GB of packages, a few minutes the first time ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(READY_DEV): requirements-dev.txt $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

$(READY_AUDIT): requirements-audit.txt $(READY_DEV)
	@test -x .venv/audit/bin/python || $(PYTHON) -m venv .venv/audit
	@.venv/audit/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-audit.txt
	@touch $@

$(READY_MUTATION): requirements-mutation.txt $(READY_DEV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-mutation.txt
	@touch $@
