# Two commands matter: `make demo` to see it, `make test` to trust it. They install what they need into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: demo test bench soak pictures catalogue lint types imports pytest browser postgresql faults definitions clean

demo: $(VENV)/.runs
	@$(BIN)/fhir-alliance demo $(ARGS)

test: $(VENV)/.tests browser lint types imports pytest

lint: $(VENV)/.tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.tests
	$(BIN)/mypy

imports: $(VENV)/.tests
	$(BIN)/lint-imports

pytest: $(VENV)/.tests browser postgresql faults definitions
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 --dist loadfile --max-worker-restart 0 $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

bench: $(VENV)/.tests
	@$(BIN)/python -m tests.bench.bench $(ARGS)

soak: $(VENV)/.tests postgresql
	@$(BIN)/python -m tests.soak.soak $(ARGS)

pictures: $(VENV)/.tests browser
	@$(BIN)/python -m tests.browser.pictures
	@$(BIN)/python -m tests.browser.courses

catalogue: $(VENV)/.runs
	@$(BIN)/fhir-alliance instruments page > questionnaires/README.md

browser:
	@sh .ci/browser

postgresql:
	@sh .ci/postgresql

faults:
	@sh .ci/faults

definitions:
	@PYTHON=$(PYTHON) sh .ci/definitions

$(VENV)/.runs: setup.cfg pyproject.toml
	@sh .ci/venv $(PYTHON) $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.tests: $(VENV)/.runs
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .coverage .coverage.* *.egg-info
