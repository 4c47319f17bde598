"""rulecompiler: Prometheus alerts from YAML in git, compiled, scoped and proven."""

__version__ = "0.1.0"
