# Two commands for a newcomer: `make compile` and `make test`. Everything else
# they need is made on the way, below .venv/ and .tools/; nothing is installed.

# The shell, as in the import rules of pyproject.toml; all else is the pure core, which must be covered more.
SHELL_MODULES := */__main__.py,*/cache.py,*/cli/*,*/deploy/*,*/gate.py,*/git_entries.py,*/git_sources.py,*/inputs.py,*/outcome.py,*/output.py,*/parallel.py,*/passed_tests.py,*/promtool.py,*/reads.py,*/recompile.py,*/reporters/*,*/scaffold/*,*/self_metrics/*,*/settings.py,*/sources.py,*/staleness.py,*/state_folder.py,*/terminal.py,*/textdiff.py,*/two_sides.py,*/watching_files.py,*/workspace.py
BIN := .venv/bin

.PHONY: help setup compile diff check test lint bench lock clean
.DEFAULT_GOAL := help

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv and get promtool and prometheus (done by the others when needed)
	@PYTHON='$(PYTHON)' sh scripts/setup.sh

compile: setup ## compile alerts/ to generated/, validate with promtool, show what that does to the rules
	@$(BIN)/rulecompiler compile --plan

diff: setup ## what this branch does to the rules, against the main branch
	@$(BIN)/rulecompiler diff

check: setup ## what CI asks: is generated/ up to date, valid, and do the unit tests pass?
	@$(BIN)/rulecompiler check

test: setup ## run all tests, with coverage
	-@$(BIN)/python scripts/get_prometheus.py node_exporter alertmanager vmalert >/dev/null
	@$(BIN)/pytest -n auto --cov --cov-report=term
	@echo 'coverage of the pure core:'
	@$(BIN)/coverage report --omit='$(SHELL_MODULES)' --fail-under=95 --format=total

lint: setup ## ruff, mypy, the import rules, and the workflows
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/zizmor --offline --quiet .github/workflows .github/actions action.yml

bench: setup ## measure compile times against promtool, and a deploy against Prometheus' reload
	@code=0; $(BIN)/python -m tests.bench.run || code=1; $(BIN)/python -m tests.bench.deploy || code=1; exit $$code

lock: setup ## renew requirements.lock (needs uv on PATH)
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --only-binary :all: \
	  --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	  --output-file requirements.lock pyproject.toml

clean: ## remove what make made; .venv/ and .tools/ stay
	rm -rf .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis .rulecompiler build dist
