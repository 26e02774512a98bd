# `make help` lists the targets. Everything runs in .venv; nothing is installed outside it.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8000
SANDBOX_PORT ?= 8765
# Three on two cores: some tests wait for processes, so that two would leave a core idle.
JOBS ?= 3
# Some images switch it off: then each of the workers, and each process that a test starts, compiles everything anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help up venv dev test test-postgres lint format types imports check lock clean-data shots audit

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

up: venv ## Start everything on this machine (HOST, PORT, SANDBOX_PORT); Ctrl-C stops it
	@exec $(BIN)/python manage.py up --host $(HOST) --port $(PORT) --sandbox-port $(SANDBOX_PORT)

venv: ## Make the environment from the locked requirements
	@deploy/venv.sh requirements.txt

dev: ## Make the environment with what tests and linters need
	@deploy/venv.sh requirements.txt requirements-dev.txt

test: dev ## Run the whole suite; what needs a missing service is skipped by name and counted
	$(BIN)/pytest -n $(JOBS) --dist worksteal

# Left out: what meets no database, what stands on PostgreSQL in the other pass already, and a browser that does not care.
test-postgres: dev ## Run what meets the database on PostgreSQL (TEST_DATABASE_URL)
	@test -n "$(TEST_DATABASE_URL)" || { echo "Set TEST_DATABASE_URL=postgresql://user@host/name first." >&2; exit 2; }
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m "not browser and not processes" \
	  --ignore tests/sandbox --ignore tests/pipeline/domain --ignore tests/rollout/domain --ignore tests/rollout/simulation

lint: dev ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: dev ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: dev ## Check types (mypy strict)
	$(BIN)/mypy .

imports: dev ## Check that imports go only downwards
	$(BIN)/lint-imports

check: dev ## Check migrations and the production settings
	$(BIN)/python manage.py makemigrations --check --dry-run
	deploy/check.sh $(BIN)/python

lock: dev ## Compile requirements*.in to requirements*.txt with hashes (needs uv)
	uv pip compile requirements.in --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -o requirements.txt
	uv pip compile requirements-dev.in --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -o requirements-dev.txt

audit: dev ## Look up known vulnerabilities of the locked requirements
	$(BIN)/pip-audit --disable-pip -r requirements.txt

shots: dev ## Photograph every admin page in chromium (into var/shots)
	$(BIN)/pytest -m browser tests -q

clean-data: ## Delete the data folder (var/): database, broker, keys, logs. Asks first
	@read -r -p "Delete var/ with all data and keys? Type yes: " answer; [ "$$answer" = yes ] && rm -rf var || echo "Kept."
