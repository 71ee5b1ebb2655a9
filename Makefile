# The commands a newcomer needs. Each sets up .venv by itself the first time.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready
READY_DEV := .venv/.ready-dev

.PHONY: help demo app test browser check format bench clean

help:
	@echo "make demo    draw five things in their places with the bundled model"
	@echo "make app     the web UI"
	@echo "make test    every test"
	@echo "make check   format, lint, types, import directions"
	@echo "make bench   measure quality and cost against plain diffusers"

demo: $(READY)
	@$(BIN)/python -m rpg demo

app: $(READY)
	@$(BIN)/python app.py

test: $(READY_DEV) browser
	$(BIN)/python -m pytest -n 2 --dist loadfile

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

format: $(READY_DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY_DEV)
	$(BIN)/python -m benchmarks.planner
	$(BIN)/python -m benchmarks.flops
	$(BIN)/python -m benchmarks.quality --quick

clean:
	rm -rf .venv out build dist *.egg-info

$(READY): requirements.txt
	@echo "Setting up .venv: about 1 GB of packages, a few minutes the first time ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(READY_DEV): requirements-dev.txt $(READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
