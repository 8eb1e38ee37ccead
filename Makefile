# Glassformer: every command of the project. `make` alone lists them.
#
# make run and make test do all their set-up themselves: a Python, .venv, the locked packages.
#   PYTHON=PATH  the interpreter to make .venv with
#   TORCH=LABEL  the build of torch to install: cpu, cu126, ... (default: what pip finds)
#   ARGS='...'   passed on as typed, quotes and all: make run ARGS="CHECKPOINT --prompt 'two words'"

PY := .venv/bin/python
# `value`: a $ in ARGS belongs to the shell, not to make.
args = $(value ARGS)
export PYTHON TORCH

# A virtual screen with software OpenGL, so that tests and pictures are the same on every Linux
# machine. macOS draws on its own screen.
ifeq ($(shell uname -s),Linux)
SCREEN := env QT_QPA_PLATFORM=xcb LIBGL_ALWAYS_SOFTWARE=1 \
          xvfb-run -a -s "-screen 0 1920x1200x24 +extension GLX"
endif

.DEFAULT_GOAL := help
.PHONY: help run test lint format pictures bench soak kills bundled-model lock clean setup-run setup-test

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

run: setup-run ## Start Glassformer; ARGS="CHECKPOINT --prompt '...'" is passed on
	@$(PY) main.py $(args)

test: lint ## Lint, types, import contracts, then the tests; ARGS is passed to pytest
	@SCREEN='$(SCREEN)' sh tools/test.sh $(args)

lint: setup-test ## Only lint, types and import contracts
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports

format: setup-test ## Sort imports and format the code
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

pictures: setup-test ## Write the window and each pane as pictures to build/pictures
	$(SCREEN) $(PY) main.py --pictures build/pictures $(args)

bench: setup-test ## Measure speed side by side with the alternatives and print a table
	$(SCREEN) $(PY) -m benchmarks $(args)

soak: setup-test ## Random actions in the real window; ARGS="--actions N --seed S"
	$(SCREEN) $(PY) -m tools.soak $(args)

kills: setup-test ## Kill training runs 100 times at random and compare; ARGS='20 --seed 7'
	@$(PY) -m tools.kills $(args)

bundled-model: setup-run ## Train the model in resources/checkpoints/story-world anew
	rm -rf build/bundled-model
	$(PY) -m model train --data world --preset story-world --out build/bundled-model --seed 0 --threads 1
	$(PY) -m tools.bundle_model build/bundled-model

lock: ## Write the lock files anew from the ranges in pyproject.toml (needs uv)
	python3 tools/lock.py

clean: ## Remove what can be made again: .venv, build and the caches
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup-run setup-test: setup-%:
	@sh tools/setup.sh $*
