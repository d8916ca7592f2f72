# Everything a contributor runs. `make demo` and `make test` need nothing but Python 3.11.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PROTOS := $(wildcard protos/scenograph/v1/*.proto)

.PHONY: demo test check proto format env clean

env: $(BIN)/.installed

$(BIN)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=24"
	$(BIN)/pip install --quiet -e '.[dev]'
	touch $@

proto: env  ## Regenerate the committed gRPC stubs.
	rm -f protos/scenograph/v1/*_pb2*.py*
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m grpc_tools.protoc -Iprotos --python_out=protos --grpc_python_out=protos \
	  --mypy_out=quiet:protos --mypy_grpc_out=quiet:protos $(PROTOS)
