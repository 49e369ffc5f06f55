# Two commands for a newcomer: `make report` and `make test`. Each builds what it needs in .venv,
# from Python and the locked packages alone.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --quiet --disable-pip-version-check
VENV_1_5 := $(VENV)-duckdb-1.5
PIP_1_5 := $(VENV_1_5)/bin/python -m pip --quiet --disable-pip-version-check

# Many tests start processes of their own: what these import is compiled once, and kept.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help report test test-quick test-duckdb-1.5 kills kills-receive fuzz bench coverage coverage-of coverage-report lint docs pictures lab lock clean

help:
	@echo "make report   load the sample archive and write its outcome report to out/report.html"
	@echo "make test     run the tests"
	@echo "make test-quick   run those that need no cluster, no browser, no kills and little memory"
	@echo "make test-duckdb-1.5   run those that talk to the engine with DuckDB 1.5"
	@echo "make lab      open the notebooks in JupyterLab"
	@echo "make kills    kill 200 loads at random moments"
	@echo "make kills-receive   kill 200 receivers at random moments, under load"
	@echo "make fuzz     load 200,000 mutated lines"
	@echo "make bench    measure loads and figures beside other tools"
	@echo "make coverage measure which branches the tests take"
	@echo "make lint     check style and types"
	@echo "make docs     make the documentation's site in out/docs"
	@echo "make pictures make the pictures of these pages anew (needs Chromium)"
	@echo "make lock     choose package versions anew (needs uv)"
	@echo "make clean    remove what these commands made"

# What the main job needs, and no more.
$(VENV)/core.stamp: requirements/core.lock
	@echo "Installing what the report needs into $(VENV) (once) …"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes -r requirements/core.lock
	@touch $@

# The same with the notebooks and the tools of development.
$(VENV)/dev.stamp: requirements/dev.lock pyproject.toml
	@echo "Installing what the tests need into $(VENV) (once) …"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes -r requirements/dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

report: $(VENV)/core.stamp
	@mkdir -p out
	@$(RUN) -m avon_analytics report data/sample/archive \
		--secrets-file data/sample/secrets.toml \
		--db out/sample.duckdb --out out/report.html \
		--title "Sample clinic"

test: $(VENV)/dev.stamp
	$(RUN) -m pytest -n 2 --dist loadfile

test-quick: $(VENV)/dev.stamp
	$(RUN) -m pytest -n 2 --dist loadfile -m "not spark and not browser and not kill and not heavy"

# The tests of what talks to the engine, with DuckDB of the line before.
test-duckdb-1.5: $(VENV_1_5)/dev.stamp
	$(VENV_1_5)/bin/python -m pytest -n 2 --dist loadfile -m "not any_engine and not heavy" \
		tests/store tests/intake tests/appointments tests/test_sample_truth.py

$(VENV_1_5)/dev.stamp: requirements/dev.lock requirements/duckdb-1.5.lock pyproject.toml
	@echo "Installing the same with DuckDB 1.5 into $(VENV_1_5) (once) …"
	@$(PYTHON) -m venv $(VENV_1_5)
	@$(PIP_1_5) install --require-hashes -r requirements/dev.lock
	@$(PIP_1_5) install --require-hashes --no-deps -r requirements/duckdb-1.5.lock
	@$(PIP_1_5) install --no-deps --no-build-isolation --editable .
	@touch $@

# Which branches the tests take, processes that they start included. It takes twice as long as the
# tests; where that is too long, part by part: `make coverage-of TESTS=tests/store` adds to what was
# measured before, and `make coverage-report` says what that is, also where nothing new was measured.
# A process that a test kills may leave a measurement that cannot be read: it is named and passed over.
coverage:
	@rm -rf out/coverage
	@$(MAKE) coverage-of TESTS=tests
	@$(MAKE) coverage-report

coverage-of: $(VENV)/dev.stamp
	@mkdir -p out/coverage
	$(VENV)/bin/coverage run -m pytest -n 2 --dist loadfile $(TESTS)

coverage-report: $(VENV)/dev.stamp
	@$(VENV)/bin/coverage combine --quiet --append || \
		echo "What could be read is reported; what could not is named above, or nothing was new."
	@$(VENV)/bin/coverage html --quiet -d out/coverage/pages --fail-under 0
	$(VENV)/bin/coverage report

# Too long for the suite: see docs/reliability.md.
kills: $(VENV)/dev.stamp
	AVON_ANALYTICS_KILLS=200 $(RUN) -m pytest -s tests/cli/test_atomic.py -k random_moments

kills-receive: $(VENV)/dev.stamp
	AVON_ANALYTICS_KILLS=200 $(RUN) -m pytest -s tests/receive/test_kills.py

fuzz: $(VENV)/dev.stamp
	$(RUN) tests/intake/fuzz.py --lines 200000

# dlt and sqlite-utils are measured where they are installed: see benchmarks/RESULTS.md.
bench: $(VENV)/dev.stamp
	$(RUN) -m benchmarks

lint: $(VENV)/dev.stamp
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

docs: $(VENV)/dev.stamp
	$(VENV)/bin/sphinx-build --quiet --fail-on-warning --keep-going -b html -c docs/site . out/docs
	@echo "The documentation: out/docs/README.html"

pictures: $(VENV)/dev.stamp
	$(RUN) -m tests.pictures

# .jupyter turns off the one extension that would ask the network for news.
lab: $(VENV)/dev.stamp
	JUPYTER_CONFIG_PATH="$(CURDIR)/.jupyter" $(VENV)/bin/jupyter lab notebooks

lock:
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--extra dev pyproject.toml --output-file requirements/dev.lock
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--constraint requirements/dev.lock pyproject.toml --output-file requirements/core.lock
	echo "duckdb>=1.5,<2" | uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
		--no-header --no-annotate --no-deps - --output-file requirements/duckdb-1.5.lock

clean:
	rm -rf $(VENV) $(VENV_1_5) out .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build
