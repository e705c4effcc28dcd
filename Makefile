# gansweep: `make help` lists the targets.
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

DATA ?=
PRESET ?= $(if $(DATA),standard,demo)
# More parameters, name=value with spaces between: make run DATA=images SET="gan_epochs=50 seed=1"
SET ?=
OUT ?=
PHANTOMS := runs/phantoms

.DEFAULT_GOAL := help
.PHONY: help setup run test lint lock readme clean

##@ Use
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## Make the environment (.venv) from pinned dependencies

run: setup ## Run the pipeline: on phantoms, or DATA=folder PRESET=paper|standard|file.yaml SET="name=value ..." OUT=folder
ifeq ($(DATA),)
	$(BIN)/gansweep phantoms $(PHANTOMS)
endif
	$(BIN)/gansweep run --data "$(or $(DATA),$(PHANTOMS))" --preset $(PRESET) $(foreach setting,$(SET),--set '$(setting)') $(if $(OUT),--out "$(OUT)")

##@ Develop
test: setup ## Run all tests
	$(BIN)/pytest

lint: setup ## Check style (ruff) and types (mypy)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

lock: setup ## Resolve the pinned dependencies anew
	$(BIN)/pip-compile --quiet --no-header --no-annotate --strip-extras --allow-unsafe --extra dev \
	  --no-emit-find-links --no-emit-index-url --no-emit-trusted-host -o images/local.txt pyproject.toml
	sed -i 's/^\(torch==[0-9.]*\)+cpu/\1/' images/local.txt

readme: setup ## Write the README's table of parameters anew
	$(BIN)/python -m pipelines.readme

clean: ## Remove the environment and caches (runs/ stays)
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache *.egg-info

$(VENV)/.installed: images/local.txt pyproject.toml
	@$(PYTHON) -c 'import ensurepip, sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "gansweep needs Python 3.11 with venv: apt-get install python3.11-venv, or set PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned dependencies (some minutes, 2 GB) ..."
	$(BIN)/pip install --quiet --disable-pip-version-check -r images/local.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
