"""What is known of the labels that a query's result has: for certain, perhaps, and certainly not.

One engine that every check about labels shares. It errs on the side of "perhaps": whatever is not
written in the query itself is unknown.
"""

from rulecompiler.labelflow.analysis import Analysis
from rulecompiler.labelflow.flow import ANYTHING, NOTHING, Flow
from rulecompiler.labelflow.meeting import Clash
from rulecompiler.labelflow.words import describe

__all__ = ["ANYTHING", "NOTHING", "Analysis", "Clash", "Flow", "describe"]
