# Everything a contributor runs. `make demo` and `make test` need nothing but Python 3.11 or newer.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PROTOS := $(sort $(wildcard protos/scenograph/*/*.proto))
STUBS := build/stubs
GENERATE := $(BIN)/python -m grpc_tools.protoc -Iprotos
PROTOSET := deploy/ghz/scenograph.protoset
PROTOSET_FLAGS = --include_imports --descriptor_set_out=$(1)
STUB_FLAGS = --python_out=$(1) --grpc_python_out=$(1) --mypy_out=quiet:$(1) --mypy_grpc_out=quiet:$(1)

# Where the features of the training photographs are kept, and what of the pack is trained.
FEATURES ?= build/features
TRAIN ?= $(BIN)/python -m scenograph.packs.training --cache $(FEATURES)
CAPTIONS ?= $(or $(SCENOGRAPH_DATA),../shared/data)/flickr8k/captions.jsonl

.PHONY: help demo pack train-default test test-containers check lint types imports protos stubs audit proto protoset format env clean
.DEFAULT_GOAL := help

help:  ## This list.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 17

demo: env  ## Build the model pack if there is none, then index and search sample photographs.
	@$(BIN)/scenograph pack faces || echo "going on without it: the demo blurs no faces" >&2
	$(BIN)/scenograph demo

pack: env  ## Build the default model pack and the face detector; done at once where they are there and up to date.
	$(BIN)/scenograph pack build
	$(BIN)/scenograph pack faces

train-default: env  ## Train the default pack's own weights on Flickr8k, anew (hours; SCENOGRAPH_DATA says where it is).
	$(TRAIN) towers hash measure
	$(BIN)/python -m scenograph.packs.training.parser
	$(BIN)/python -m scenograph.packs.training.matcher --install
	$(BIN)/python -m scenograph.packs.training.regions --cache $(FEATURES)
	$(BIN)/scenograph pack build
	$(BIN)/scenograph pack weigh --captions $(CAPTIONS) --out export/scenograph/packs/heads/fusion.toml

test: env  ## Run the tests.
	$(BIN)/pytest

test-containers: env  ## Build the images and run them: a quarter of an hour, with a Docker engine or as root.
	TEST_CONTAINERS=1 tests/containers/engine.sh $(BIN)/pytest tests/containers -v -rA

check: lint types imports protos stubs test  ## All that has to pass before a change goes in.

audit: env  ## Look for known vulnerabilities in the installed packages; .ci/advisories.toml has what is passed over.
	$(BIN)/python .ci/audit.py

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: env
	$(BIN)/mypy

imports: env
	$(BIN)/lint-imports

protos: env
	cd protos && $(CURDIR)/$(BIN)/buf lint

stubs: env  # The committed stubs and descriptors are those that the .proto files make.
	rm -rf $(STUBS) && mkdir -p $(STUBS)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(GENERATE) $(call STUB_FLAGS,$(STUBS)) $(PROTOS)
	@cd $(STUBS) && for file in scenograph/*/*; do cmp $$file $(CURDIR)/protos/$$file \
	  || { echo "stubs are out of date: run make proto"; exit 1; }; done
	$(GENERATE) $(call PROTOSET_FLAGS,$(STUBS)/protoset) $(PROTOS)
	@cmp $(STUBS)/protoset $(PROTOSET) || { echo "$(PROTOSET) is out of date: run make protoset"; exit 1; }

proto: env protoset  ## Regenerate the committed gRPC stubs, and the descriptors.
	rm -f protos/scenograph/*/*_pb2*.py*
	PATH="$(CURDIR)/$(BIN):$$PATH" $(GENERATE) $(call STUB_FLAGS,protos) $(PROTOS)

protoset: env  ## Regenerate the descriptors that ghz and `scenograph bench load` read.
	$(GENERATE) $(call PROTOSET_FLAGS,$(PROTOSET)) $(PROTOS)

format: env  ## Format and sort imports.
	$(BIN)/ruff check --fix --exit-zero --quiet .
	$(BIN)/ruff format .

env: $(BIN)/.installed  ## Make the virtual environment.

$(BIN)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=24"
	$(BIN)/pip install --quiet -e '.[dev]'
	touch $@

clean:  ## Remove what was made here; model packs and indexes are kept elsewhere and stay.
	rm -rf build dist .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
