# `make up` and `make test` are all that a newcomer needs; the rest is for those who change things.
STACK ?= dev
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: up render test check format test-node bench demo clean

up: $(INSTALLED)
	@if command -v pulumi >/dev/null; then \
		pulumi whoami >/dev/null 2>&1 || pulumi login --local; \
		export PULUMI_CONFIG_PASSPHRASE="$${PULUMI_CONFIG_PASSPHRASE-}"; \
		pulumi stack select --create $(STACK) && pulumi up --stack $(STACK); \
	else \
		echo "The Pulumi CLI is not on PATH, so stack $(STACK) is rendered and not deployed."; \
		$(BIN)/preloadctl render --stack $(STACK); \
	fi

render: $(INSTALLED)
	@$(BIN)/preloadctl render --stack $(STACK)

# What AWS checks node configurations with is a Go program, and the page of `plan` is looked at in
# Chromium; without one of them its tests say that they skip.
test: $(INSTALLED)
	@if command -v go >/dev/null; then $(BIN)/python -m tests.nodepools.install; fi
	@$(BIN)/python -m tests.chromium
	$(BIN)/python -m pytest -m "not node" --numprocesses 2 -rs

check: $(INSTALLED)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/pyright

# On the cluster of $KUBECONFIG where that is set, else on nodes that it starts itself, as root.
test-node: $(INSTALLED)
	@if [ -n "$$KUBECONFIG" ]; then \
		$(BIN)/python -m pytest tests/node -rs; \
	else \
		$(BIN)/python -m tests.node.install && \
		$(BIN)/python -m tests.nodepools.install && \
		$(BIN)/python -m pytest -m node --numprocesses 2 --dist loadgroup -rs; \
	fi

bench: $(INSTALLED)
	$(BIN)/python -m bench

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
