"""`rulecompiler test`: the templates' unit tests."""

from __future__ import annotations

import os

import click

from rulecompiler.cli.check_command import coverage
from rulecompiler.cli.compile_command import plural
from rulecompiler.cli.output import format_option, repo_root, show, write


@click.command()
@click.argument("templates", nargs=-1, metavar="[TEMPLATE]...")
@format_option()
def test(templates: tuple[str, ...], fmt: str) -> int:
    """Run the unit tests of the named templates, or of all, with promtool.

    \b
    Examples:
      rulecompiler test
      rulecompiler test node/HighCPUUsage
    """
    from rulecompiler import gate, promtool
    from rulecompiler.codes import TITLES
    from rulecompiler.diagnostics import Diagnostic, has_errors
    from rulecompiler.document import Locator
    from rulecompiler.inputs import read_inputs
    from rulecompiler.recompile import read_library

    inputs = read_inputs(repo_root(), os.environ)
    library, diagnostics = read_library(inputs)
    chosen = list(library)
    if templates:
        chosen = []
        for reference in templates:
            found = library.find(reference, None)
            if isinstance(found, Diagnostic):
                raise click.UsageError(f"{found.message}; {found.help}")
            if found is not None:
                chosen.append(found)
    tests = None
    if not has_errors(diagnostics):
        tool = promtool.find(os.environ, inputs.root)
        if isinstance(tool, Diagnostic):
            diagnostics += (tool,)
        else:
            tests = gate.run_unit_tests(tool, library, inputs, chosen)
            diagnostics += tests.diagnostics
    if diagnostics or fmt != "text":
        show(diagnostics, fmt, inputs.texts, Locator(inputs.texts).span, titles=TITLES, root=inputs.root)
    failed = has_errors(diagnostics)
    if fmt == "text" and tests is not None:
        write(coverage(tests))
        if not failed:
            passed = plural(tests.passed, "unit test")
            write(f"ok: {passed} of {plural(tests.templates, 'template')} passed\n")
    return 1 if failed else 0
