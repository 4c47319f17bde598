"""`rulecompiler lint`: what works, but probably not as it was meant.

The checks are in `rulecompiler.checks`; here they are asked, once for all rules that are alike, and
what settings and comments say of their findings is heard.
"""

from rulecompiler.lint.linter import GroupFindings, Linter, conclude
from rulecompiler.lint.settings import read_settings
from rulecompiler.lint.suppressions import Suppressions

__all__ = ["GroupFindings", "Linter", "Suppressions", "conclude", "read_settings"]
