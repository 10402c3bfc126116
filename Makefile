# Two commands need nothing but Python (3.11 or later) and make:
#   make demo    installs what the product needs and checks examples/
#   make test    runs the tests (make robustness: the slow ones of them)
# The rest needs more, and says what it installs: proofs (PyTorch), vsix and editors (Node, Chromium), benchmark.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint robustness proofs vsix editors neovim vscode benchmark generate clean

demo: $(VENV)/.installed
	$(BIN)/dry-debug check --exit-zero examples

test: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check server rules tests tools benchmarks
	$(BIN)/mypy
	$(BIN)/python tools/generate.py --check
	$(BIN)/python -m pytest -m "not slow" -n 2

# A plain Debian has python3 without venv or pip; ensurepip is in python3-venv.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("Dry Debug needs Python 3.11 or later; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || tools/venv-fallback.sh $(PYTHON) $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.tested: pyproject.toml $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

# The proofs run the pages' examples under PyTorch on the CPU, and a few under the library that they are about. Where one
# of these is missing (vLLM has no small wheel) its proofs are skipped, and named at the end.
.torch/.installed: pyproject.toml
	$(PYTHON) -m venv .torch
	.torch/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 numpy transformers==4.57.6 accelerate
	.torch/bin/python -m pip install --quiet --disable-pip-version-check --no-deps sglang==0.4.6.post5
	@touch $@

proofs: $(VENV)/.tested .torch/.installed
	DRY_DEBUG_PROOFS=required DRY_DEBUG_PROOF_PYTHON=$(CURDIR)/.torch/bin/python $(BIN)/python -m pytest tests/pages tests/proofs -m slow -n 2 -rs

vsix: $(VENV)/.installed
	npm ci --no-fund --no-audit
	npm run package

neovim: $(VENV)/.tested
	$(BIN)/python tests/editors/neovim/run.py

vscode: $(VENV)/.tested
	$(BIN)/python tests/editors/vscode/run.py

editors: neovim vscode

# Hostile texts, generated and mutated programs, and a sweep over the standard library and what is installed;
# DRY_DEBUG_SWEEP names further folders (tests/robustness/packages.txt says which packages make a large one).
robustness: $(VENV)/.tested
	$(BIN)/python -m pytest tests/robustness -m slow -n 2

benchmark: $(VENV)/.tested
	$(BIN)/python benchmarks/run.py

generate: $(VENV)/.tested
	$(BIN)/python tools/generate.py

clean:
	rm -rf $(VENV) .torch .editors node_modules dist bundled *.vsix
