# Neurocage on one machine: `make up` runs it, `make test` checks it. Needs Python 3.11+ and make.
#
# What is installed is noted in stamp files beside it, so that a second run starts at once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --no-warn-script-location -q
# The npm that the requirements bring; it looks for its own node first.
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm --loglevel=error
NPM_CI := $(NPM) ci --no-audit --no-fund --no-progress

REQUIREMENTS := requirements.txt requirements-local.txt sensor_api/requirements.txt constraints.txt
RUN_PYTHON := $(VENV)/.installed-to-run
TEST_PYTHON := $(VENV)/.installed-to-test
RUN_NODE := node_modules/.installed-to-run
TEST_NODE := node_modules/.installed-to-test
ASSETS := staticfiles/staticfiles.json
# Folders too: their times change when a file in them goes.
STATIC := $(shell find static -not -name '* *' 2>/dev/null)

# For what needs no server: whatever runs or is set outside has no say in it.
APART := env -u SECRET_KEY_FILE SECRET_KEY=only-for-checks-and-never-to-serve-anybody-0123456789-abc \
	STATE_DIR=$(VENV)/no-state DATABASE_URL= REDIS_URL= SENSOR_API_URL= DEBUG=0 REQUIRE_TIMESCALEDB=0

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help up test lint check pytest timescaledb test-faults format bench bench-limit bench-scaling bench-storage bench-pages soak screenshots messages install install-dev assets clean

help: ## show this list
	@echo "make ..."
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1 - \2/p' $(firstword $(MAKEFILE_LIST))

up: install assets ## run everything (PORT, STATE_DIR, DEMO=0, DATABASE_URL, REDIS_URL, SENSOR_API_URL)
	@exec $(BIN)/python -m local_stack

test: lint check pytest timescaledb ## run all checks and tests, in this order, up to the first failure
	@echo "All checks and tests have passed."

lint: install-dev ## check the style of Python, templates, CSS and JavaScript
	@echo "== Style"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@test ! -d templates || $(BIN)/djlint --lint --quiet --allow-empty-input templates
	@$(NPM) run --silent lint

check: install-dev assets ## let Django check itself, and that no migration is missing
	@echo "== Django's own checks"
	@$(APART) $(BIN)/python manage.py check
	@$(APART) HTTPS=1 $(BIN)/python manage.py check --deploy --fail-level ERROR
	@$(APART) $(BIN)/python manage.py makemigrations --check --dry-run

pytest: install-dev assets ## run the tests against an embedded PostgreSQL and Valkey of their own
	@echo "== Tests"
	@$(BIN)/python -m pytest -m "not faults"

timescaledb: install-dev assets ## run the tests marked storage against a real TimescaleDB
	@echo "== Tests of the storage, on TimescaleDB"
	@TEST_STORAGE=timescaledb $(BIN)/python -m pytest -m storage

# Side by side, as many as there are: nearly all of their time is waiting for real minutes.
test-faults: install-dev assets ## stop, kill, starve and confuse real servers and processes; 7 minutes
	@echo "== Tests of faults"
	@TEST_STORAGE=none $(BIN)/python -m pytest tests/faults -m faults -n 14 --dist worksteal

format: install-dev ## put Python, CSS and JavaScript into the common style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(NPM) run --silent format

bench: install-dev assets ## measure polling: what it costs and whether it holds (CAGES="1000 5000" MINUTES=3)
	@$(BIN)/python -m bench.polling --cages $(or $(CAGES),1000 5000 20000 50000) --minutes $(or $(MINUTES),5) --markdown

bench-limit: install-dev assets ## find the most cages that hold (CAGES="50000 60000" MINUTES=5)
	@$(BIN)/python -m bench.polling --find-limit $(if $(CAGES),--cages $(CAGES)) --minutes $(or $(MINUTES),5)

bench-scaling: install-dev assets ## measure whether two pollers poll twice as many as one
	@$(BIN)/python -m bench.scaling

soak: install-dev assets ## run everything while its parts are killed in turn (MINUTES=20 CAGES=2000)
	@$(BIN)/python -m bench.soak --minutes $(or $(MINUTES),20) --cages $(or $(CAGES),2000)

bench-storage: install-dev assets ## measure how small a year of minutes becomes (CAGES=20 DAYS=365)
	@$(BIN)/python -m bench.storage $(if $(CAGES),--cages $(CAGES)) $(if $(DAYS),--days $(DAYS))

bench-pages: install-dev assets ## measure pages and exports on months of minutes (CAGES=100 DAYS=60 ON=postgresql)
	@$(BIN)/python -m bench.pages $(if $(CAGES),--cages $(CAGES)) $(if $(DAYS),--days $(DAYS)) $(if $(ON),--on $(ON))

screenshots: install-dev assets ## make the pictures in docs/
	@$(BIN)/python -m tests.browser.screenshots

messages: install-dev ## gather what is to be translated into locale/, and compile it
	@$(BIN)/python -m tests.translations

install: $(RUN_PYTHON) $(RUN_NODE) ## install what `up` needs
install-dev: $(TEST_PYTHON) $(TEST_NODE) ## install what `test` needs as well
assets: $(ASSETS) ## collect the static files

clean: ## remove what was made, but not what is installed and not the data in .state
	@rm -rf staticfiles test-results .pytest_cache .ruff_cache
	@find . -name __pycache__ -not -path './$(VENV)/*' -not -path './node_modules/*' -prune -exec rm -rf {} +

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Neurocage needs Python 3.11 or newer, and '$(PYTHON)' is not. Name one: make PYTHON=python3.12 up"; \
		exit 1; }
	@echo "Making the virtual environment ..."
	@$(PYTHON) -m venv $(VENV)

# What tests need includes what running needs, so the larger installation notes both.
$(RUN_PYTHON): $(REQUIREMENTS) | $(BIN)/pip
	@echo "Installing the Python packages (about a minute the first time) ..."
	@$(PIP) -r requirements-local.txt
	@touch $@

$(TEST_PYTHON): requirements-dev.txt $(REQUIREMENTS) | $(BIN)/pip
	@echo "Installing the Python packages, with those for tests (about a minute the first time) ..."
	@$(PIP) -r requirements-dev.txt
	@touch $(RUN_PYTHON) $@

$(RUN_NODE): package.json package-lock.json | $(RUN_PYTHON)
	@echo "Fetching the front-end packages ..."
	@$(NPM_CI) --omit=dev
	@touch $@

$(TEST_NODE): package.json package-lock.json | $(TEST_PYTHON)
	@echo "Fetching the front-end packages, with those for tests ..."
	@$(NPM_CI)
	@touch $(RUN_NODE) $@

$(ASSETS): $(STATIC) $(RUN_PYTHON) $(RUN_NODE) neurocage/settings.py
	@echo "Collecting the static files ..."
	@$(APART) $(BIN)/python manage.py collectstatic --noinput --verbosity 0
	@touch $@
