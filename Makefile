# A thin face over "python -m ptmreuse"; python -m ptmreuse --help does without make.
PYTHON ?= python3
PARAMS ?=
VENV   := .venv
BIN    := $(VENV)/bin
RUN    := $(BIN)/python -m ptmreuse
OPTIONS = $(if $(PARAMS),--params "$(PARAMS)",) $(if $(STUDY),--study "$(STUDY)",)

# A mistyped variable would silently build the default book.
MISTYPED = $(filter-out PARAMS=% TABLES=% RELEASE=% FRAME=% STUDY=% FILE=% PYTHON=%,$(MAKEOVERRIDES))
ifneq ($(MISTYPED),)
$(error expected PARAMS=, TABLES=, RELEASE=, FRAME=, STUDY=, FILE= or PYTHON=, found $(MISTYPED))
endif

.PHONY: help book smoke notebooks pdf verify review certificate release data new import validate test test-quick test-llm tools serve clean lock calibrate bench lint

help: ## show this list
	@echo "make COMMAND [PARAMS=my.yml]"
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{printf "  %-11s %s\n", $$1, $$2}'

book: $(VENV)/ready ## write the book to _build/html (runs only what is out of date)
	@$(RUN) book $(OPTIONS)

smoke: $(VENV)/ready ## try this machine: one notebook, one verdict, under a minute
	@$(RUN) smoke

notebooks: $(VENV)/ready ## execute the notebooks that are out of date
	@$(RUN) notebooks $(OPTIONS)

pdf: $(VENV)/ready ## write the book as one PDF
	@$(RUN) pdf $(OPTIONS)

verify: $(VENV)/ready ## print a verdict per published claim
	@$(RUN) verify $(OPTIONS)

review: $(VENV)/ready ## compare the last run with the authors'
	@$(RUN) review $(OPTIONS)

certificate: $(VENV)/ready ## write the certificate of the last run
	@$(RUN) certificate $(OPTIONS)

release: $(VENV)/ready ## keep the results of the last run as the authors'
	@$(RUN) release

data: $(VENV)/ready ## fetch the pilot workbook, its articles and a list of the released files
	@$(RUN) data $(if $(RELEASE),--release "$(RELEASE)",) $(if $(filter yes,$(FRAME)),--frame,)

new: $(VENV)/ready ## begin a study of your own: make new STUDY=folder
	@$(RUN) new "$(STUDY)"

import: $(VENV)/ready ## read a spreadsheet of codes into it: make import FILE=codes.xlsx STUDY=folder
	@$(RUN) import "$(FILE)" $(if $(STUDY),--out "$(STUDY)",)

validate: $(VENV)/ready ## check your own coded papers: make validate TABLES=folder
	@$(RUN) validate "$(or $(TABLES),$(STUDY))"

test: $(VENV)/tools ## check everything that can break
	@$(RUN) test

test-quick: $(VENV)/tools ## check what needs no whole book (half a minute)
	@$(RUN) test --quick

test-llm: $(VENV)/tools ## test the language-model coder with a real small model (opt-in)
	@$(RUN) test-llm

tools: $(VENV)/tools ## install what only tests, language models, Parquet files and clusters need

serve: $(VENV)/ready ## show the built book at a local address
	@$(RUN) serve $(if $(STUDY),--study "$(STUDY)",)

clean: $(VENV)/ready ## remove everything the pipeline wrote
	@$(RUN) clean $(if $(STUDY),--study "$(STUDY)",)

lock: $(VENV)/ready ## write requirements.lock and environment.yml from pyproject.toml
	@$(RUN) lock

calibrate: $(VENV)/ready ## try every method on simulated truth (minutes)
	@$(RUN) calibrate

bench: $(VENV)/tools ## measure speed and memory (minutes)
	@$(RUN) bench

lint: $(VENV)/tools ## check the style of the code
	@$(RUN) lint

# The last mark is made last, so that an interrupted installation is repeated. Only a .venv that make made (the first
# mark) is ever cleared: one made by hand is used as it is. Where Python comes without its own pip (Colab, Debian),
# the one at hand installs into the new environment. The book's part of the lock ends at a line "# Only for".
# The link to src is relative: Python reads it in the locale's encoding, which may not know the letters of this folder.
INSTALL = pip="$(BIN)/python -m pip"; $$pip --version >/dev/null 2>&1 || pip="$(PYTHON) -m pip --python $(BIN)/python"; \
	$$pip install --quiet --disable-pip-version-check --no-deps
$(VENV)/ready: requirements.lock pyproject.toml
	@if test -e $(VENV) && ! test -e $(VENV)/made-by-make && ! test -e $(VENV)/ready; then \
	  if $(RUN) parameters >/dev/null 2>&1; then echo "Using $(VENV) as it is: make did not make it."; exit 0; fi; \
	  echo "expected a $(VENV) that holds the locked packages, found one that make did not make and that lacks them;"; \
	  echo "install them (page How to reproduce), or move it away and make will make one"; exit 1; \
	fi; set -e; \
	$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 15) else "Python 3.11 to 3.14 is needed, $(PYTHON) is " + sys.version.split()[0] + "; name another one: make PYTHON=python3.12 ...")'; \
	echo "Installing the locked packages into $(VENV) (once, about a minute) ..."; \
	rm -rf $(VENV); mkdir $(VENV); touch $(VENV)/made-by-make; \
	if $(PYTHON) -c 'import ensurepip' 2>/dev/null; then $(PYTHON) -m venv $(VENV); \
	else $(PYTHON) -m venv --without-pip $(VENV); fi; \
	sed '/^# Only for/,$$d' requirements.lock > $(VENV)/book.lock; \
	$(INSTALL) --require-hashes -r $(VENV)/book.lock; \
	$(INSTALL) --no-build-isolation -e .; \
	for link in $(VENV)/lib/python*/site-packages/ptmreuse.pth; do echo ../../../../src > $$link; done; \
	touch $(VENV)/ready

$(VENV)/tools: $(VENV)/ready
	@if test -e $(VENV)/made-by-make; then \
	  echo "Installing what only tests, language models and clusters need (once) ..."; \
	  $(INSTALL) --require-hashes -r requirements.lock; \
	fi
	@test ! -e $(VENV)/made-by-make || touch $(VENV)/tools
