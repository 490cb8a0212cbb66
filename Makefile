# Strongroom. `make run` starts it with sample clips, `make test` proves it; both install what is missing.
# What each target does stands in tests/kit/scripts/; here are only their names.

SHELL := /bin/bash
SCRIPTS := tests/kit/scripts
.DEFAULT_GOAL := help
.PHONY: help run test lint bench dist clean-demo

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' Makefile | while read -r name text; do printf '  make %-11s %s\n' "$$name" "$$text"; done

run: ## install a signed release under .strongroom/root, start it, upload the sample clips; Ctrl-C stops it
	@$(SCRIPTS)/run.sh

test: ## every test: Rust, browser app, end to end in a real browser
	@$(SCRIPTS)/test.sh

lint: ## formatting, clippy with warnings as errors, architecture, licences (if cargo-deny is here)
	@$(SCRIPTS)/lint.sh

bench: ## both sides of each comparison in one run, as a table
	@$(SCRIPTS)/bench.sh

dist: ## the executables a release is cut from (optimised, slow to build)
	@$(SCRIPTS)/dist.sh

clean-demo: ## forget the demo: its data, bundle and credentials (not its keys and tools)
	@rm -rf .strongroom/root .strongroom/media .strongroom/stage .strongroom/clips .strongroom/credentials
