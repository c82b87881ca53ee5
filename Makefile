# Each target prepares what is missing or stale, then runs. Python 3.11 is all that the machine needs.
PYTHON ?= python3
ARGS ?=

.PHONY: run test test-long lint check bench build
run test test-long lint check bench build:
	@exec $(PYTHON) tokentra/machine/prepare.py $@ $(ARGS)
