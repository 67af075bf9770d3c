# `make up` and `make test` are all that a newcomer needs; the rest is for those who change things.
STACK ?= dev
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: up preview refresh down adopt cancel render test quick check format test-engine test-node bench demo clean

# Pulumi's CLI is taken from PATH or installed below .pulumi/; without it `up` renders.
up preview refresh down adopt cancel: $(INSTALLED)
	@YES=$(YES) $(BIN)/python -m deploy $@ $(STACK)

render: $(INSTALLED)
	@$(BIN)/preloadctl render --stack $(STACK)

# What AWS checks node configurations with is a Go program, and the page of `plan` is looked at in
# Chromium; without one of them its tests say that they skip. ARGS=PATH is for a part of them.
test: $(INSTALLED)
	@if command -v go >/dev/null; then $(BIN)/python -m tests.nodepools.install; fi
	@$(BIN)/python -m tests.chromium
	$(BIN)/python -m pytest -m "not node" --numprocesses 2 -rs $(ARGS)

# While something is changed: the tests of what differs from main, without the slow ones.
quick: $(INSTALLED)
	@$(BIN)/python -m tests.quick

check: $(INSTALLED)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/pyright
	$(BIN)/python -m tests.workflows.lint

# On the cluster of $KUBECONFIG where that is set, else on nodes that it starts itself, as root.
test-node: $(INSTALLED)
	@if [ -n "$$KUBECONFIG" ]; then \
		$(BIN)/python -m pytest tests/node -rs; \
	else \
		$(BIN)/python -m tests.node.install && \
		$(BIN)/python -m tests.engine.install && \
		$(BIN)/python -m tests.nodepools.install && \
		$(BIN)/python -m pytest -m node --numprocesses 2 --dist loadgroup -rs; \
	fi

# Builds Pulumi's engine, which `make test` uses too once it is there.
test-engine: $(INSTALLED)
	$(BIN)/python -m tests.engine.install
	$(BIN)/python -m pytest tests/engine tests/readme --numprocesses 2 -rs

# SHORT=1 does each measurement once at its smallest, and writes nothing.
bench: $(INSTALLED)
	$(BIN)/python -m bench $(if $(SHORT),--short)

demo: $(INSTALLED)
	@$(BIN)/python -m demo

format: $(INSTALLED)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

clean:
	rm -rf .venv rendered

$(INSTALLED): requirements.txt requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
