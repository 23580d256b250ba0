# Everything runs in .venv; `make demo` and `make test` need nothing but Python >= 3.11 and a package index.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check lint types install install-dev clean

demo: .venv/.installed
	$(BIN)/python scripts/demo demo

test: .venv/.installed-dev
	bash scripts/test

check: lint types

lint: .venv/.installed-dev
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports

types: .venv/.installed-dev
	$(BIN)/mypy

install: .venv/.installed
install-dev: .venv/.installed-dev

# PyTorch first and by exact version: any other way pulls in gigabytes of CUDA.
.venv/.torch:
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --upgrade pip
	$(BIN)/pip install -q torch==2.13.0
	touch $@

.venv/.installed: .venv/.torch pyproject.toml
	$(BIN)/pip install -q -e ".[all]"
	touch $@

.venv/.installed-dev: .venv/.torch pyproject.toml
	$(BIN)/pip install -q -e ".[dev]"
	touch $@ .venv/.installed

clean:
	rm -rf .venv demo dist build
