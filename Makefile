# The verbs of the project; `make help` lists them. They are for the embedded fleet, the checks and the tests:
# `pulumi up` on clusters of your own needs none of them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python -u
# Where it is set, each run of Pulumi would compile the program anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: up
up: ready ## Start three clusters on this machine and bring up the federation on them
	@$(PYTHON) -m lab up

.PHONY: demo
demo: ready ## Show a Service, its names, and what they say while a member is without power
	@$(PYTHON) -m lab demo

.PHONY: drift
drift: ready ## Say what differs from its configuration; `python -m operate.drift` has an exit code for each case
	@$(PYTHON) -m lab drift

.PHONY: down
down: ready ## Take the federation and its clusters away again
	@$(PYTHON) -m lab down

.PHONY: test
test: ready ## Run all checks and tests, on real clusters too; ENGINE=karmada tests it where its programs are
	@$(if $(ENGINE),FEDERATION_ENGINE=$(ENGINE)) $(PYTHON) -m tests

.PHONY: test-kill
test-kill: ready ## Kill runs of Pulumi at 25 points each, or SEED=n POINTS=n, and see that they are made good
	@$(PYTHON) -m tests.kill $(if $(SEED),--seed $(SEED)) $(if $(POINTS),--points $(POINTS))

.PHONY: test-scale
test-scale: ready ## Measure the built-in engine with 2, 4 and 8 members and 30 stand-ins
	@$(PYTHON) -m tests.scale

.PHONY: quick
quick: .venv/.installed ## Run the checks, and the tests that need nothing but Python
	@$(PYTHON) -m tests quick

.PHONY: check
check: .venv/.installed ## Run only the linters and the type checker
	@$(PYTHON) -m tests check

.PHONY: ready
ready: debian .venv/.installed
	@$(PYTHON) -m lab tools $(MAKECMDGOALS)

.PHONY: debian
debian:
	@python3 -m lab.toolbox debian --install

# The stamp is newer than what it was made from; a half-made environment has none. A second `make` waits for the first,
# and finds the stamp.
.venv/.installed: requirements.txt controllers/requirements.txt requirements-dev.txt
	@python3 -c "import ensurepip" 2>/dev/null || { \
	  echo "error: python3 cannot make virtual environments: install what Debian calls python3-venv" >&2; exit 1; }
	@mkdir -p .venv
	@exec 9<.venv; flock -n 9 || { echo "waiting for another make to install .venv"; flock 9; }; \
	if [[ -e $@ && -z $$(find $^ -newer $@) ]]; then exit; fi; \
	python3 -m venv .venv; \
	echo "Installing Python packages into .venv, about a minute"; \
	SECONDS=0; .venv/bin/pip install --quiet --disable-pip-version-check -r requirements-dev.txt; \
	echo "Python packages installed in $$SECONDS s"; \
	touch $@
