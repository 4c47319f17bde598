"""Templates' `tests` as promtool unit tests: built, compiled under a test scope, and their verdicts read."""
