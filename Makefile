# Everything runs under the Node that scripts/bootstrap.sh finds or brings; each goal sets up what it needs first.
PIPELINE ?= pipelines/live-dvr.yaml
with-node := scripts/bootstrap.sh
setup := $(with-node) node scripts/setup/index.mjs

.DEFAULT_GOAL := help
.PHONY: help run setup check test proof bench build clean

help: ## these lines
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

run: ## run a pipeline with a built-in test camera (PIPELINE=pipelines/...)
	@$(setup) run $(PIPELINE)
	@exec $(with-node) node scripts/eddy.mjs run $(PIPELINE)

setup: ## bring all that running any pipeline needs
	@$(setup) run

check: ## types, lint, format, architecture, generated files, public API
	@$(setup) check
	@$(with-node) node scripts/check.mjs

test: ## every check and every test in its short form
	@$(setup) test
	@$(with-node) node scripts/test.mjs

proof: ## every bar at full length, into docs/proof.md
	@$(setup) proof
	@$(with-node) node scripts/proof.mjs

bench: ## the comparisons, into docs/benchmarks.md
	@$(setup) proof
	@$(with-node) node scripts/bench.mjs

build: ## compile the package into dist/
	@$(setup) check
	@$(with-node) npm run --silent build

clean: ## remove what was made here; what is cached for the machine stays
	rm -rf dist data node_modules .runtime plugins/web/*/dist
