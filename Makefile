# The two commands: `make repro` and `make test`. Everything runs in .venv; nothing needs activating.
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# A git hook sets GIT_DIR and others, which would lead every git below it to the hook's repository.
unexport $(filter GIT_%,$(.VARIABLES))

.DEFAULT_GOAL := help
.PHONY: help repro studies test check verify quick doctor ui lock

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' Makefile

repro: .venv/installed ## run the pipeline: data, three networks, errors, pixels, latent map
	dvc repro

studies: .venv/installed ## run the studies: many trainings, some two hours
	cd studies && dvc repro

test: .venv/installed ## run the tests
	python -m pytest

check: .venv/installed ## lint and check types
	ruff check
	ruff format --check
	mypy

verify: .venv/installed ## run the committed pipeline in a fresh clone and compare its bytes with dvc.lock
	python -m tools.verify $(if $(INTO),--into $(INTO))

quick: .venv/installed ## run the pipeline on 5,000 images in a temporary copy
	python -m tools.quick

doctor: .venv/installed ## look for what is amiss, and say what helps
	python -m tools.doctor

ui: .venv/installed ## open the record in MLflow's UI on 127.0.0.1:5000
	MLFLOW_ALLOW_PICKLE_DESERIALIZATION=false mlflow ui --host 127.0.0.1 --port 5000 \
		--allowed-hosts 127.0.0.1:5000,localhost:5000 --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db}"

lock: .venv/installed ## resolve pyproject.toml into requirements.lock anew
	python -m pip install --quiet uv
	uv pip compile --quiet --universal --upgrade --generate-hashes --no-header --no-emit-index-url \
		--no-emit-find-links --python-version 3.11 --group dev pyproject.toml -o requirements.lock

.venv/installed: requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else \
		f"Python 3.11 to 3.13 is needed, {v[0]}.{v[1]} came; name another: make PYTHON=python3.12")'
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --require-hashes -r requirements.lock
	touch $@
