# Everything runs from .venv, which the first target that needs it builds; `make help` lists the targets.

PY ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo test bench soak lint clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST)

demo: .venv/.ok ## run the digits sample
	@$(BIN)/dojo-run samples/digits/run.toml

test: lint ## lint, type check and run the tests
	@$(BIN)/pytest

soak: .venv/.ok ## run the long tests
	@$(BIN)/pytest -m soak || test $$? -eq 5 # 5: there is none

bench: .venv/.ok ## print the measured figures
	@$(BIN)/python tests/bench

lint: .venv/.ok ## lint, check the format and the types
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright

clean: ## remove the environment, caches and builds
	rm -rf .venv build dist isa/ready .pytest_cache .ruff_cache .hypothesis
	find dojo_tools samples tests -name __pycache__ -prune -exec rm -rf {} +

.venv/.ok: pyproject.toml
	@echo "Setting up .venv (a minute, once)"
	@$(PY) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@
