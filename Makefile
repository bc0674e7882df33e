# Needs only make, git and Python >= 3.11; everything else goes into .venv, and only when
# pyproject.toml or constraints.txt changed.
VENV := .venv
PY   := $(VENV)/bin/python
LOG  := $(VENV)/setup.log
INNER := $(wildcard rlreactor/*.[ch] rlreactor/pool.py rlreactor/tag.py \
  rlreactor/links/*.py rlreactor/runtime/*.py rlreactor/scheduler/*.py rlreactor/*/*.[ch])

# Quiet when it works, everything pip said when it does not.
PIP = $(PY) -m pip install --disable-pip-version-check --progress-bar off
# Compiling is a step of its own: it follows the sources, which change more often than what is installed.
EDITABLE = RLREACTOR_ENGINE=interpreted $(PIP) --constraint constraints.txt --no-build-isolation --editable
OR_SHOW = >>$(LOG) 2>&1 || { cat $(LOG) >&2; exit 1; }

# Without it pyright asks the package index for news at every start.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.PHONY: train engine test lint rules layout types mypy pyright unit compiled interpreted format clean nightly bench bench-setup cluster-setup
.NOTPARALLEL:
.DELETE_ON_ERROR:

train: $(VENV)/.train engine
	@$(VENV)/bin/rlreactor train ppo --env CartPole-v1

# Every check runs, also after a failed one; the tests come last.
test: $(VENV)/.test
	@$(MAKE) --no-print-directory --keep-going lint types unit

lint: rules layout

rules: $(VENV)/.test
	$(PY) -m ruff check .

layout: $(VENV)/.test
	$(PY) -m ruff format --check .

# Both at once: each keeps one core busy for half a minute.
types: $(VENV)/.test
	@$(PY) -m pyright & pyright=$$!; $(PY) -m mypy; mypy=$$?; wait $$pyright && exit $$mypy

mypy: $(VENV)/.test
	$(PY) -m mypy

pyright: $(VENV)/.test
	$(PY) -m pyright

# Compiled, as users run it; but bugs can be planted only in an engine that is not.
unit: compiled interpreted

compiled: $(VENV)/.test engine
	$(PY) -m pytest --numprocesses 2

interpreted: $(VENV)/.test
	RLREACTOR_ENGINE=interpreted $(PY) -m pytest --numprocesses 2 -m interpreted tests/simulator tests/links

# What takes too long for every change: ten thousand random programs, and the simulator over many seeds.
nightly: $(VENV)/.test engine
	RLREACTOR_PROGRAMS=10000 $(PY) -m pytest --timeout 36000 tests/test_random_programs.py
	RLREACTOR_ENGINE=interpreted RLREACTOR_SIMULATOR_SEEDS=10000 $(PY) -m pytest --timeout 36000 tests/simulator

# Two hours on two cores; make bench BENCH="--quick", or BENCH="broadcast b7".
bench: $(VENV)/.test engine
	@$(VENV)/bin/rlreactor bench $(BENCH)

# Whoever is compared with, each in an environment of its own: several GB.
bench-setup: $(VENV)/.test
	$(PY) -m bench.setup

# What the tests of hosts and clusters need beside Python, on Debian and Ubuntu as root; without it they are skipped.
cluster-setup:
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
	  iproute2 util-linux openssh-client openssh-server slurm-wlm munge

format: $(VENV)/.test
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -maxdepth 3 -name '*.so' -not -path './bench/.venv*' -delete

# The engine's inner modules, compiled; without a C compiler they run as they stand, and setup.log says why.
# What was compiled before goes first: it may not outlive a compilation that fails.
engine: $(VENV)/.engine

$(VENV)/.engine: $(VENV)/.train setup.py $(INNER)
	@: >$(LOG)
	@echo "set-up: the engine, compiled"
	@rm -rf build/lib* && find . -maxdepth 3 -name '*.so' -not -path './.venv/*' -delete
	@$(PY) setup.py --quiet build_ext --inplace $(OR_SHOW)
	@find rlreactor -name '*.so' -exec touch {} +
	@touch $@

# torch goes first and alone: it is most of the download, and gets a line of its own.
$(VENV)/.train: $(PY) pyproject.toml constraints.txt
	@: >$(LOG)
	@echo "set-up: torch"
	@$(PIP) --constraint constraints.txt setuptools mypy torch $(OR_SHOW)
	@echo "set-up: rlreactor"
	@$(EDITABLE) '.[video]' $(OR_SHOW)
	@touch $@

$(VENV)/.test: $(VENV)/.train
	@: >$(LOG)
	@echo "set-up: tools and environments of the tests"
	@$(EDITABLE) '.[dev]' $(OR_SHOW)
	@touch $@

# The first Python that has every locked package as a wheel (3.11 to 3.13), else any from 3.11 on.
$(PY):
	@for below in 14 99; do \
	  for python in python3 python3.13 python3.12 python3.11; do \
	    $$python -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, $$below))" 2>/dev/null || continue; \
	    old_enough=$$python; \
	    $$python -c "import ensurepip, venv" 2>/dev/null || continue; \
	    echo "set-up: $(VENV) with $$($$python --version)"; \
	    $$python -m venv --clear $(VENV); exit; \
	  done; \
	done; \
	if [ -n "$$old_enough" ]; then \
	  echo "$$old_enough cannot make a virtual environment: its venv or ensurepip module is missing." >&2; \
	  echo "Install it (Debian and Ubuntu: apt install $$old_enough-venv) and run make again." >&2; \
	else \
	  echo "rlreactor needs Python 3.11 or newer; found $$(python3 --version 2>/dev/null || echo none)." >&2; \
	  echo "Install one (Debian and Ubuntu: apt install python3.11 python3.11-venv; or pyenv, conda, uv)" >&2; \
	  echo "so that python3 or python3.11 is on PATH, and run make again." >&2; \
	fi; \
	exit 1
