# One command for everything; each target sets up .venv first (instant when nothing changed).
# `make help` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo test lint check format lock bench bench-compare load prove simulate fairness shots

SHELL_SCRIPTS := deploy/dev/setup.sh .ci/run
RUN := .venv/bin/python -m
# Some hundred processes start in the tests: without bytecode each compiles anew all that it imports.
unexport PYTHONDONTWRITEBYTECODE

PORT ?= 8000
CROWD ?= 300
INFO ?=
ARGS ?=

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## everything on this machine until Ctrl-C: PORT=8000 CROWD=300 INFO=file
	@deploy/dev/setup.sh runtime
	@exec $(RUN) ecluse demo --port '$(PORT)' --crowd '$(CROWD)' $(if $(INFO),--info '$(INFO)')

test: ## the test suite, or a part: ARGS="tests/ecluse -k draw"
	@deploy/dev/setup.sh dev
	@exec $(RUN) pytest $(ARGS)

lint: ## format, lint, types, import contracts, shell scripts
	@deploy/dev/setup.sh dev
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	.venv/bin/lint-imports
	.venv/bin/shellcheck $(SHELL_SCRIPTS)

check: lint ## everything: lint, and the test suite
	@exec $(RUN) pytest $(ARGS)

format: ## format and sort imports
	@deploy/dev/setup.sh dev
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

COMPILE = $(RUN) uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header

lock: ## the lock files, from pyproject.toml; ARGS=--upgrade for newer versions
	@deploy/dev/setup.sh dev
	$(COMPILE) $(ARGS) deploy/dev/uv.in -o deploy/dev/uv.lock
	$(COMPILE) $(ARGS) --extra embedded pyproject.toml -o requirements.lock
	$(COMPILE) $(ARGS) --extra embedded --extra load --extra postgres --extra eddsa --group dev pyproject.toml -o requirements-dev.lock

bench: ## speed and memory beside the limit and the peers: ARGS="--short --save new.json"
	@deploy/dev/setup.sh dev
	@exec $(RUN) benchmarks $(ARGS)

bench-compare: ## what became slower between two saved benchmarks: OLD=old.json NEW=new.json
	@deploy/dev/setup.sh dev
	@exec $(RUN) benchmarks.compare '$(OLD)' '$(NEW)' $(ARGS)

load: ## a load scenario: SCENARIO=… USERS=… MINUTES=… URL=… REPORT=report.html
	@deploy/dev/setup.sh dev
	@exec $(RUN) loadtests $(if $(SCENARIO),--scenario '$(SCENARIO)') $(if $(USERS),--users '$(USERS)') \
		$(if $(MINUTES),--minutes '$(MINUTES)') $(if $(URL),--url '$(URL)') $(if $(REPORT),--report '$(REPORT)') $(ARGS)

shots: ## pictures of every page, into reports/shots: ARGS="--lang fr --only called"
	@deploy/dev/setup.sh dev
	@exec $(RUN) tests.browser.shots $(ARGS)

prove: ## the same spike on a fragile module, without Écluse and with: a verdict, and a picture
	@deploy/dev/setup.sh dev
	@mkdir -p reports
	@exec $(RUN) loadtests.prove --save reports/prove.json --plot reports/prove.svg $(ARGS)

simulate: ## how well estimates hold over hard days, and the crowds of tests/simulation; ARGS="--days 30"
	@deploy/dev/setup.sh dev
	$(RUN) benchmarks.estimates $(ARGS)
	@exec $(RUN) pytest -q tests/simulation

fairness: ## the figures and the picture of docs/fairness.md
	@deploy/dev/setup.sh dev
	@exec $(RUN) benchmarks.fairness
