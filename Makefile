# The two commands: `make repro` and `make test`. Everything runs in .venv, which need not be activated.
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# A git hook sets GIT_DIR and others, which would make every git below it act on the hook's repository.
unexport $(filter GIT_%,$(.VARIABLES))

.DEFAULT_GOAL := help
.PHONY: help repro studies test test-all check verify verify-processors quick doctor ui lock

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-17s  %s\n", $$1, $$2}' Makefile

repro: .venv/installed ## run the stages whose inputs have changed, and show the results
	dvc repro
	@python -m tools.results --show

studies: .venv/installed ## run the studies, which train many networks: about two hours
	cd studies && dvc repro

test: .venv/installed ## run the fast tests: a few minutes
	python -m pytest -m "not slow"

test-all: test ## run the fast tests, then the slow ones: the small pipeline, DVC experiments, faults
	python -m pytest -m slow

check: .venv/installed ## lint and check types
	ruff check
	ruff format --check
	mypy
	python -m tools.dependencies --check

verify: .venv/installed ## run the committed pipeline in a fresh clone and compare its bytes with dvc.lock
	python -m tools.verify $(if $(INTO),--into $(INTO))

verify-processors: .venv/installed ## compare trainings on 1, 2 and 4 cores and on emulated processors
	python -m tools.processors

quick: .venv/installed ## run the pipeline on 5,000 images in quick/, and show the results
	python -m tools.sandbox

doctor: .venv/installed ## diagnose common problems and suggest fixes
	python -m tools.doctor

ui: .venv/installed ## open MLflow's web page on 127.0.0.1:5000
	@case "$$MLFLOW_TRACKING_URI" in http*) echo "The runs are on the server $$MLFLOW_TRACKING_URI"; exit;; esac; \
	echo "http://127.0.0.1:5000/#/experiments/1?workflowType=machine_learning"; \
	MLFLOW_DISABLE_TELEMETRY=true MLFLOW_ALLOW_PICKLE_DESERIALIZATION=false mlflow ui --host 127.0.0.1 \
		--port 5000 --allowed-hosts 127.0.0.1:5000,localhost:5000 \
		--backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///mlflow.db}"

lock: .venv/installed ## update both lock files to the newest versions that pyproject.toml allows
	uv pip compile --quiet --universal --upgrade --generate-hashes --no-header --no-emit-index-url \
		--no-emit-find-links --python-version 3.11 --group dev pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --upgrade --generate-hashes --no-header --no-emit-index-url \
		--no-emit-find-links --python-version 3.11 --extra jax --extra torch -c requirements.lock \
		pyproject.toml -o requirements-backends.lock

.venv/installed: requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else \
		f"Python 3.11 to 3.13 is needed, this is {v[0]}.{v[1]}; name another: make PYTHON=python3.12")'
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	sed -n '/^uv==/,/^[^ ]/{/^uv==/p;/^ /p}' requirements.lock > .venv/uv.lock
	.venv/bin/python -m pip install --quiet --require-hashes -r .venv/uv.lock
	.venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements.lock
	touch $@
