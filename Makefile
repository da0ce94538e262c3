# make demo   installs Tuoke into .venv, writes a demo company into demo/ and evaluates a day of it
# make test   installs and runs the tests
# make linter installs the public linter of data contracts, in an environment of its own, for the test that asks it
# ARGS are handed on: make demo ARGS="--scale M --fresh", make test ARGS="tests/unit -x"

VENV := .venv
BIN := $(VENV)/bin
LINTER := $(VENV)/linter
UV := $(shell command -v uv)
PYTHON = $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	$$python -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && command -v $$python && break; done)

ifdef UV
MAKE_VENV = uv venv --quiet --allow-existing --python $(or $(PYTHON),3.13) $(VENV)
INSTALL = uv pip install --quiet --python $(BIN)/python --constraint constraints.txt
MAKE_LINTER = uv venv --quiet --allow-existing --python $(BIN)/python $(LINTER)
INSTALL_LINTER = uv pip install --quiet --python $(LINTER)/bin/python
else
MAKE_VENV = $(or $(PYTHON),$(error Tuoke needs Python 3.11 or later, or uv, which brings its own)) -m venv $(VENV)
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
MAKE_LINTER = $(BIN)/python -m venv $(LINTER)
INSTALL_LINTER = $(LINTER)/bin/python -m pip install --quiet --disable-pip-version-check
endif

# without compiled modules every start takes ten seconds more
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install demo test linter bench clean

install: $(VENV)/.installed

demo: install
	@$(BIN)/tuoke demo $(ARGS)

test: $(VENV)/.installed-with-tests
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(ARGS)

linter: $(LINTER)/.installed

bench: $(VENV)/.installed-with-tests
	$(BIN)/python tests/bench/run.py $(ARGS)
	$(BIN)/python tests/bench/identity.py 10000 100000
	$(BIN)/python tests/bench/segments.py 100000 1000000
	$(BIN)/python tests/bench/kpis.py 1000000

clean:
	rm -rf $(VENV) demo build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(BIN)/python:
	$(MAKE_VENV)

# the stamps lie in the venv: they vanish with what they stand for
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.installed-with-tests: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) --editable '.[test]'
	@touch $@ $(VENV)/.installed

# it asks for other versions of libraries that Tuoke needs
$(LINTER)/.installed: | $(BIN)/python
	$(MAKE_LINTER)
	$(INSTALL_LINTER) datacontract-cli==1.2.8
	@touch $@
