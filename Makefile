# The commands a newcomer needs. Each sets up .venv by itself the first time.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready
READY_DEV := .venv/.ready-dev

.PHONY: help demo app test check format bench clean

help:
	@echo "make demo    draw five things in their places with the bundled model"
	@echo "make app     the web UI"
	@echo "make test    every test"
	@echo "make check   format, lint, types, import directions"
	@echo "make bench   measure quality and cost against plain diffusers"

demo: $(READY)
	@$(BIN)/python -m rpg demo

app: $(READY)
	@if [ -f app.py ]; then $(BIN)/python app.py; else \
	  echo "The web UI is not there yet. Until then: make demo, or $(BIN)/python -m rpg --help"; fi

test: $(READY_DEV)
	$(BIN)/python -m pytest -n 2 --dist loadfile

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
