# On a fresh machine with only Python >= 3.11 and make: `make demo`, `make test`.

PYTHON ?= python3
VENV ?= .venv
DEMO ?= demo-out
TEST_PROCESSES ?= 2
SEARCH_SECONDS ?= 45
FUZZ_SECONDS ?= 60

BIN := $(VENV)/bin

.PHONY: help demo test test-slow lint docs faults fuzz clean

help:
	@echo "make demo       install into $(VENV) and run the main job on the built-in data (result in $(DEMO)/)"
	@echo "make test       install with development tools and run the tests, in TEST_PROCESSES=2 at once"
	@echo "make test-slow  the heavy statistics and long searches as well"
	@echo "make lint       ruff and mypy"
	@echo "make docs       the documentation, in docs/_build/html"
	@echo "make faults     kill, starve and mislead real runs, resume them, and print what was lost"
	@echo "make fuzz       hostile input at every door, FUZZ_SECONDS=60 each; prints inputs tried and findings"
	@echo "make clean      remove $(VENV), $(DEMO) and caches"

demo: $(VENV)/.installed
	$(BIN)/formsearch run zhao2025 --out $(DEMO) --seconds $(SEARCH_SECONDS)
	@echo "The report is $(DEMO)/report.html (the same as Markdown: $(DEMO)/report.md)"

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadfile

test-slow: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m "slow or not slow"

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.installed-dev
	$(BIN)/python -m sphinx -W --keep-going -q docs docs/_build/html

faults: $(VENV)/.installed-dev
	$(BIN)/python -m tests.faults

fuzz: $(VENV)/.installed-dev
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

clean:
	rm -rf $(VENV) $(DEMO) .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks build dist docs/_build docs/generated

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "formsearch needs Python 3.11 or newer, this is %s: make PYTHON=python3.12 ..." % sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

# The development tools include the product, so this serves `demo` too.
$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@ $(VENV)/.installed
