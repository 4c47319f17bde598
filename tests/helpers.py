"""Small repos written as YAML strings, compiled by the real pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from textwrap import dedent

from rulecompiler import decode, document, schema
from rulecompiler.checks.subject import LintSettings
from rulecompiler.compiler import Compilation, assemble, compile_sources, read_group, read_template
from rulecompiler.diagnostics import Diagnostic, Place, Severity, has_errors
from rulecompiler.document import Locator
from rulecompiler.forest import Forest
from rulecompiler.library import Library
from rulecompiler.lint import Linter, Suppressions, conclude
from rulecompiler.model import Group, Options, Rule, Source, Template
from rulecompiler.resolve import Resolver

TEMPLATES = "alerts/templates/"
GROUPS = "alerts/groups/"

SCOPED = """
alert: {name}
params: {{threshold: {{type: number, default: 1}}}}
expr: {name}_metric > ${{threshold}}
labels: {{severity: warning}}
"""


def alert(name: str) -> str:
    """A template with one parameter, `threshold` (default 1)."""
    return SCOPED.format(name=name)


def sources(files: Mapping[str, str]) -> tuple[list[Source], list[Source]]:
    """Templates and groups of a repo; indentation that all lines share is taken off."""
    made = [Source(path, dedent(text)) for path, text in files.items()]
    return (
        [s for s in made if s.path.startswith(TEMPLATES)],
        [s for s in made if s.path.startswith(GROUPS)],
    )


def compile_texts(files: Mapping[str, str], options: Options | None = None) -> Compilation:
    """A whole repo compiled; `files` maps paths to YAML."""
    templates, groups = sources(files)
    return compile_sources(templates, groups, options or Options())


def lint_texts(
    files: Mapping[str, str], settings: LintSettings | None = None, options: Options | None = None
) -> tuple[Diagnostic, ...]:
    """What lint says of a repo whose files are good; `files` maps paths to YAML."""
    options, settings = options or Options(), settings or LintSettings()
    templates, groups = sources(files)
    library, trees, faults = assemble(
        [read_template(source, options) for source in templates],
        [(source.path, *read_group(source)) for source in groups],
    )
    assert not has_errors(faults), faults
    linter = Linter(library, trees, options, settings)
    found = [linter.lint_group(group.id) for group in trees]
    comments = Suppressions([(s.path, s.text) for s in (*templates, *groups)], date(2026, 11, 21))
    return conclude(library, trees, settings, found, {}, comments)


def repo(templates: Mapping[str, str], groups: Mapping[str, str]) -> dict[str, str]:
    """The files of a repo by path, from template names and group ids; a group's own id is filled in."""
    return {f"{TEMPLATES}{name}.yaml": text for name, text in templates.items()} | {
        f"{GROUPS}{id_}.yaml": f"group: {id_}\n{dedent(text)}" for id_, text in groups.items()
    }


def compile_repo(
    templates: Mapping[str, str], groups: Mapping[str, str], options: Options | None = None
) -> Compilation:
    """`repo`, compiled."""
    return compile_texts(repo(templates, groups), options)


def good(compilation: Compilation) -> Compilation:
    """The compilation itself, which must have no faults."""
    assert compilation.diagnostics == ()
    return compilation


def make_template(text: str, name: str = "X") -> Template:
    """A template that has no faults."""
    template, faults = read_template(Source(f"{TEMPLATES}{name}.yaml", dedent(text)), Options())
    assert isinstance(template, Template), faults
    return template


def decoded(text: str, name: str = "X") -> Template:
    """A template that is well formed, whatever else may be wrong with it."""
    parsed, faults = document.parse(Source(f"{TEMPLATES}{name}.yaml", dedent(text)))
    assert parsed is not None, faults
    assert schema.validate("template", parsed) == ()
    template, faults = decode.template(parsed, name)
    assert template is not None, faults
    return template


def make_group(id_: str, text: str = "") -> Group:
    """A group that has no faults."""
    group, faults = read_group(Source(f"{GROUPS}{id_}.yaml", f"group: {id_}\n{dedent(text)}"))
    assert group is not None, faults
    return group


def resolver(templates: Mapping[str, str], groups: Mapping[str, str]) -> Resolver:
    """A resolver over templates and groups that have no faults of their own."""
    made = [make_group(id_, text) for id_, text in groups.items()]
    shelf = Library(make_template(text, name) for name, text in templates.items())
    return Resolver(shelf, Forest({group.id: group for group in made}))


def codes(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """The codes in the order of the diagnostics."""
    return [d.code for d in diagnostics]


def errors(compilation: Compilation) -> list[str]:
    """The codes of the errors."""
    return codes(d for d in compilation.diagnostics if d.severity is Severity.ERROR)


def rules_of(compilation: Compilation, group_id: str) -> dict[str, Rule]:
    """The rules of a group's file by name; none where it has no file."""
    for result in compilation.results:
        if result.group_id == group_id and result.rules is not None:
            rules = [rule for group in result.rules.groups for rule in group.rules]
            assert len({rule.name for rule in rules}) == len(rules)
            return {rule.name: rule for rule in rules}
    return {}


def exprs(compilation: Compilation, group_id: str) -> dict[str, str]:
    """The expressions of a group's file by rule name."""
    return {name: rule.expr for name, rule in rules_of(compilation, group_id).items()}


def located(files: Mapping[str, str], place: Place | None) -> tuple[str, int, str]:
    """File, line and the text that a place spans in it."""
    assert place is not None
    texts = {path: dedent(text) for path, text in files.items()}
    span = Locator(texts).span(place)
    lines = texts[span.path].splitlines(keepends=True)[span.line - 1 : span.end_line]
    lines[-1] = lines[-1][: span.end_column - 1]
    return span.path, span.line, "".join(lines)[span.column - 1 :]
