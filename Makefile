# gansweep: `make help` lists the targets.
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

DATA ?=
PRESET ?= $(if $(DATA),standard,demo)
# More parameters, name=value with spaces between: make run DATA=images SET="gan_updates=1000 seed=1"
SET ?=
# Handed on through the environment: values may hold blanks, quotes and JSON.
export SET PRESET
OUT ?=
# Name of the data set in the cluster's MinIO; that of the folder if empty.
NAME ?=
PHANTOMS := runs/phantoms

# Images: make images VARIANT=cuda PYTHON_IMAGE=...; make push REGISTRY=registry.example/path
DOCKER ?= docker
REGISTRY ?=
# The cluster's overlay: kind (small, simulated GPUs) or gpu; see manifests/overlays.
OVERLAY ?= kind
CLUSTER ?= gansweep
VARIANT ?= $(if $(filter gpu,$(OVERLAY)),cuda,cpu)
PYTHON_IMAGE ?= python:3.11-slim-bookworm
# PyTorch's own index of CPU builds, asked first: pip's has them with CUDA alone, three times the size. GPU=1 takes those.
TORCH_CPU_INDEX ?= https://download.pytorch.org/whl/cpu
GPU ?=
CPU_INDEX = $(shell $(PYTHON) images/torch_index.py $(TORCH_CPU_INDEX))
# An index for pip besides its own, for images; that of the CPU builds if it is empty.
PIP_EXTRA_INDEX_URL ?=
IMAGES := data gan classifier
VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' components/__init__.py)
REVISION := $(shell git rev-parse --short=12 HEAD 2>/dev/null)$(shell test -z "$$(git status --porcelain -- components images)" || echo -dirty)
TAG := $(REVISION)$(if $(filter cuda,$(VARIANT)),-cuda)
LOCAL_TAG := $(VERSION)$(if $(filter cuda,$(VARIANT)),-cuda)
SOURCE := $(shell git config --get remote.origin.url | sed 's,//[^/@]*@,//,')

.DEFAULT_GOAL := help
.PHONY: help setup run test bench fuzz lint calibrate lock readme clean images $(IMAGES:%=image-%) push scan kind-up deploy upload submit audit-cluster e2e undeploy kind-down

##@ Use
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## Make the environment (.venv) from pinned dependencies; GPU=1 takes PyTorch with CUDA

run: setup ## Run the pipeline: on phantoms, or DATA=folder PRESET=paper|standard|file.yaml SET="name=value ..." OUT=folder
ifeq ($(DATA),)
	$(BIN)/gansweep phantoms $(PHANTOMS)
endif
	$(BIN)/gansweep run --data "$(or $(DATA),$(PHANTOMS))" --preset "$$PRESET" --settings "$$SET" $(if $(OUT),--out "$(OUT)")

##@ Develop
test: setup ## Run all tests, as many files at a time as there are cores
	$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

lint: setup ## Check style (ruff), types (mypy) and the direction of imports (import-linter)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo

# How many experiments of each kind; 400 take about a quarter of an hour.
TRIALS ?= 400
bench: setup ## Run all benches into one table, build/bench.md; SMALL=1 ends in a minute and shows that they run
	$(BIN)/python -m tests.bench $(if $(SMALL),--small)

# How many mutated files of each kind; 60000 take some minutes.
COUNT ?= 60000
fuzz: setup ## Hand mutated pictures and tables to what reads them: read or refused, nothing else (COUNT=60000)
	$(BIN)/python -m tests.fuzz $(COUNT)

calibrate: setup ## Simulate experiments: how often a verdict is false, and how often a gain is seen (TRIALS=400)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.calibration $(TRIALS)

lock: setup ## Resolve the pinned dependencies anew
	$(BIN)/pip-compile --quiet --no-header --no-annotate --strip-extras --allow-unsafe --extra dev \
	  --no-emit-find-links --no-emit-index-url --no-emit-trusted-host -o images/local.txt pyproject.toml
	$(BIN)/python images/lock.py

readme: setup ## Write the README's table of parameters anew
	$(BIN)/python -m pipelines.readme

##@ Images
images: $(IMAGES:%=image-%) ## Build the images gansweep/data, gan and classifier; VARIANT=cuda for GPUs
	@$(DOCKER) image inspect --format '{{index .RepoTags 0}} {{.Size}}' $(PYTHON_IMAGE) $(IMAGES:%=gansweep/%:$(TAG)) | \
	  awk 'NR == 1 {base = $$2; printf "%-36s %9s %17s\n", "image", "size", "beyond the base"} \
	       {printf "%-36s %6d MB %14d MB\n", $$1, $$2 / 1e6, ($$2 - base) / 1e6}'

# Tagged by revision, which never means another image, and by version, which `gansweep run --runner docker` takes. Those
# for GPUs have tags of their own.
$(IMAGES:%=image-%): image-%:
	$(DOCKER) build --network host --file images/$*/Dockerfile --tag gansweep/$*:$(TAG) --tag gansweep/$*:$(LOCAL_TAG) \
	  --build-arg PYTHON_IMAGE=$(PYTHON_IMAGE) --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) \
	  --build-arg SOURCE="$(SOURCE)" --build-arg CODE=$$($(PYTHON) -m pipelines.digest) $(if $(filter data,$*),,--build-arg VARIANT=$(VARIANT)) \
	  $(addprefix --build-arg PIP_EXTRA_INDEX_URL=,$(or $(PIP_EXTRA_INDEX_URL),$(if $(filter gan-cpu,$*-$(VARIANT)),$(CPU_INDEX)))) .

push: ## Push the images of this commit to REGISTRY=host/path
	@test -n "$(REGISTRY)" || { echo "push: where to? make push REGISTRY=host/path" >&2; exit 1; }
	@case $(TAG) in *-dirty*) echo "push: commit first; the tag names the commit the images are made from" >&2; exit 1;; esac
	@for image in $(IMAGES); do \
	  $(DOCKER) tag gansweep/$$image:$(TAG) $(REGISTRY)/$$image:$(TAG) && $(DOCKER) push $(REGISTRY)/$$image:$(TAG) || exit 1; \
	done
	@echo "Compile for them: gansweep compile --registry $(REGISTRY) --tag $(TAG)"

scan: ## List what the images hold (build/sbom/), and check them for secrets, setuid and world-writable files
	@$(PYTHON) images/scan.py --base $(PYTHON_IMAGE) $(IMAGES:%=gansweep/%:$(LOCAL_TAG))

##@ Cluster
# The data set as the cluster has it.
ADDRESS = $(if $(findstring ://,$(DATA)),$(DATA),minio://gansweep/data/$(or $(NAME),$(notdir $(patsubst %/,%,$(or $(DATA),$(PHANTOMS))))))
NEED_CLUSTER = bash -c 'me=$$1; . manifests/lib.sh; need_cluster' --

kind-up: ## Start a cluster with kind (CLUSTER=name), three nodes, one with simulated GPUs, and load the images
	@CLUSTER="$(CLUSTER)" TAG="$(TAG)" DOCKER="$(DOCKER)" manifests/kind-up.sh

# Looks for what is missing first: nobody should wait for an environment and then hear that there is no cluster.
deploy: ## Bring MinIO, Kubeflow Pipelines and the pipeline to the current cluster: OVERLAY=kind, or OVERLAY=gpu REGISTRY=host/path
	@OVERLAY="$(OVERLAY)" REGISTRY="$(REGISTRY)" manifests/deploy.sh check
	@$(MAKE) --no-print-directory setup
	@OVERLAY="$(OVERLAY)" REGISTRY="$(REGISTRY)" TAG="$(TAG)" BIN="$(BIN)" manifests/deploy.sh

upload: ## Bring DATA=folder, or one file, to the cluster's MinIO, as minio://gansweep/data/NAME
	@$(NEED_CLUSTER) upload
	@$(MAKE) --no-print-directory setup
	@DATA="$(DATA)" NAME="$(NAME)" OVERLAY="$(OVERLAY)" REGISTRY="$(REGISTRY)" TAG="$(TAG)" BIN="$(BIN)" manifests/upload.sh

submit: ## Run the pipeline in the cluster and wait for its report: on phantoms, or DATA=folder or minio://..., PRESET, SET, OUT
	@$(NEED_CLUSTER) submit
	@$(MAKE) --no-print-directory setup
ifeq ($(DATA),)
	$(BIN)/gansweep phantoms $(PHANTOMS)
endif
ifeq ($(findstring ://,$(DATA)),)
	@DATA="$(or $(DATA),$(PHANTOMS))" NAME="$(NAME)" OVERLAY="$(OVERLAY)" REGISTRY="$(REGISTRY)" TAG="$(TAG)" BIN="$(BIN)" manifests/upload.sh
endif
	$(BIN)/gansweep submit --data "$(ADDRESS)" \
	  --preset "$$PRESET" --preset manifests/overlays/$(OVERLAY)/parameters.yaml --settings "$$SET" \
	  --registry $(or $(REGISTRY),gansweep) --tag $(TAG) --wait $(if $(OUT),--out "$(OUT)")

audit-cluster: ## Try the doors of the deployment: a table of open and closed, from outside, from beside and from a stage
	@TAG="$(TAG)" REGISTRY="$(REGISTRY)" manifests/audit.sh

e2e: ## Test the current cluster from deploy to undeploy; only on one that holds nothing else
	@ME=e2e OVERLAY="$(OVERLAY)" REGISTRY="$(REGISTRY)" manifests/deploy.sh check
	@$(MAKE) --no-print-directory setup
	OVERLAY="$(OVERLAY)" REGISTRY="$(REGISTRY)" TAG="$(TAG)" $(BIN)/pytest -m cluster tests/integration

undeploy: ## Remove all that deploy brought, runs, artifacts and volumes with it
	@manifests/undeploy.sh

kind-down: ## Remove the cluster made by kind-up
	@CLUSTER="$(CLUSTER)" DOCKER="$(DOCKER)" manifests/kind-down.sh

##@ Tidy
clean: ## Remove the environment and caches (runs/ stays)
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache *.egg-info

# Quiet but for errors: warnings are about pip's own settings on a machine.
PIP_INSTALL = $(BIN)/pip install --quiet --quiet --disable-pip-version-check
# Nothing but what is locked, byte for byte; PyTorch with CUDA brings more packages than PyTorch without.
PIP_LOCKED = $(PIP_INSTALL) --no-deps --require-hashes

# Cleared first: nothing of an older lock, or of another Python, stays.
$(VENV)/.installed: images/local.txt pyproject.toml
	@$(PYTHON) -c 'import ensurepip, sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "gansweep needs Python 3.11 with venv: apt-get install python3.11-venv, or set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@[ "$$(uname -sm)" = "Linux x86_64" ] || \
	  { echo "The locked packages are those of Linux on x86-64; elsewhere use a container" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@index="$(if $(GPU),,$(CPU_INDEX))"; \
	if [ -n "$$index" ]; then size="2 GB"; else size="$(if $(GPU),7 GB,2 GB; 7 GB if pip finds PyTorch with CUDA alone)"; fi; \
	echo "Installing the pinned dependencies (some minutes, $$size) ..."; \
	grep '^torch==' images/gan/requirements-cpu.txt > $(VENV)/torch.txt; \
	grep -v '^torch==' images/local.txt > $(VENV)/others.txt; \
	if [ -n "$$index" ]; then $(PIP_LOCKED) --index-url "$$index" -r $(VENV)/torch.txt; \
	else $(if $(GPU),,$(PIP_LOCKED) -r $(VENV)/torch.txt 2> /dev/null ||) $(PIP_LOCKED) -r images/gan/requirements-cuda.txt; fi && \
	$(PIP_LOCKED) -r $(VENV)/others.txt
	@PYTHONWARNINGS=ignore $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@
