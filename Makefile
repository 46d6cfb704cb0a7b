# `make run` serves the console on http://127.0.0.1:8000, `make test` passes every check.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8000
# Some containers set it; the tests would compile the package for each of hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test slow fuzz lint types mypy pyright floors unit docs docs-serve coverage web format clean

run: $(VENV)/.installed
	$(BIN)/antiphon serve --host $(HOST) --port $(PORT)

test: lint types floors unit

# What waits for the time-outs of a network; not part of `test`.
slow: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m slow

# Only the fuzzing of the HTTP routes by their OpenAPI document, a minute of `slow`.
fuzz: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m slow tests/transports/test_openapi_fuzz.py

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Neither uses a second core.
types: $(VENV)/.installed-dev
	$(MAKE) --no-print-directory -j2 mypy pyright

mypy pyright: $(VENV)/.installed-dev
	$(BIN)/$@

floors: $(VENV)/.installed-dev
	$(BIN)/lint-imports

# Most tests wait for real time to pass, so three at once take hardly more of two cores. Those that
# hold sound to its time want the machine for themselves.
unit: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 3 --dist loadfile -m "not slow and not alone"
	$(BIN)/python -m pytest -m "alone and not slow"

# The tests build the site too; here it stays, in .artifacts/site.
docs: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-serve: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve --dev-addr $(HOST):$(PORT)

# Tracing every line makes the tests take half as long again, so it is not part of `test`.
coverage: $(VENV)/.installed-dev
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report

# The browser client from its sources; what it makes is committed, so nothing else needs Node.js.
web: $(VENV)/.installed-dev
	$(BIN)/python -m tests.npm web/client install --no-package-lock --ignore-scripts --no-audit --no-fund
	$(BIN)/python -m tests.npm web/client run build
	$(BIN)/python -m tests.npm web/client run check

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/.created:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "antiphon needs Python 3.11 or later; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[all]'
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --group dev
	touch $@

clean:
	rm -rf $(VENV) dist htmlcov .coverage .artifacts
