"""The templates of a repo, found by path or by a unique rule name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rulecompiler.diagnostics import Diagnostic, Place, Pointer, Related
from rulecompiler.model import Template
from rulecompiler.words import did_you_mean


class Library:
    """Looks templates up as users name them: `node/HighCPUUsage`, or `HighCPUUsage`."""

    def __init__(self, templates: Iterable[Template], broken: Iterable[str] = ()) -> None:
        self.templates: Mapping[str, Template] = {t.name: t for t in templates}
        by_rule: dict[str, list[Template]] = {}
        for template in self.templates.values():
            by_rule.setdefault(template.rule, []).append(template)
        self._by_rule = by_rule
        self._broken = frozenset(broken)

    def __iter__(self) -> Iterator[Template]:
        return iter(self.templates.values())

    def candidates(self, reference: str) -> list[Template]:
        """What a reference may mean: nothing, one template, or several of one rule name."""
        template = self.templates.get(reference)
        return [template] if template else self._by_rule.get(reference, [])

    def find(self, reference: str, place: Place | None) -> Template | Diagnostic | None:
        """The template that a reference names, or what is wrong with the reference (RC301, RC302).

        None means that it names a template whose own faults are told already.
        """
        found = self.candidates(reference)
        if len(found) == 1:
            return found[0]
        if reference in self._broken:
            return None
        if found:
            names = ", ".join(f"`{t.name}`" for t in found)
            return Diagnostic(
                "RC302",
                f"`{reference}` names {len(found)} templates",
                place,
                label="which one?",
                help=f"write one of {names}",
                related=tuple(Related(Pointer(t.path), "one of them") for t in found),
            )
        return Diagnostic(
            "RC301",
            f"there is no template `{reference}`",
            place,
            label="not found",
            help=did_you_mean(
                reference,
                [*self.templates, *self._by_rule],
                "add the template, or name one with `template:`",
            ),
        )


def build(
    templates: Iterable[Template], broken: Iterable[str] = ()
) -> tuple[Library, tuple[Diagnostic, ...]]:
    """A library, and what is wrong among the templates themselves (RC303 to RC305).

    `broken` are names of templates that could not be read.
    """
    faults: list[Diagnostic] = []
    unique: dict[str, Template] = {}
    for template in templates:
        first = unique.setdefault(template.name, template)
        if first is not template:
            faults.append(
                Diagnostic(
                    "RC303",
                    f"the template name `{template.name}` is used twice",
                    Pointer(template.path),
                    label="the name comes from the path without its ending",
                    help="rename one of the files",
                    related=(Related(Pointer(first.path), "used here first"),),
                )
            )
    library = Library(unique.values(), broken)
    faults.extend(_requirement_faults(library))
    return library, tuple(faults)


def required(library: Library, template: Template) -> Iterator[Template]:
    """All records that a template needs, each once, deepest first; faulty references are passed over."""
    seen: set[str] = {template.name}
    path = [(template, iter(template.requires))]
    while path:
        current, references = path[-1]
        for reference in references:
            found = library.candidates(reference)
            if len(found) == 1 and found[0].name not in seen:
                seen.add(found[0].name)
                path.append((found[0], iter(found[0].requires)))
                break
        else:
            path.pop()
            if path:
                yield current


def _requirement_faults(library: Library) -> Iterator[Diagnostic]:
    circles = _circles(library)
    for template in library:
        for index, reference in enumerate(template.requires):
            place = template.pointer("requires", index)
            found = library.find(reference, place)
            if isinstance(found, Diagnostic):
                yield found
            elif found is None:
                continue
            elif found.kind != "record":
                yield Diagnostic(
                    "RC304",
                    f"`{reference}` is an alert; only a record can be required",
                    place,
                    label="an alert",
                    help="enable the alert in the groups that want it",
                    related=(Related(Pointer(found.path, ("alert",)), "declared here"),),
                )
            elif circles[found.name] == circles[template.name]:
                yield Diagnostic(
                    "RC305",
                    f"`{template.name}` requires itself through `{reference}`",
                    place,
                    label="a circle",
                    help="take one of the requirements out",
                )


def _circles(library: Library) -> Mapping[str, int]:
    """A number for each template by name: two have the same one where each requires the other.

    These are the graph's strongly connected components by Gabow's algorithm, whose time is linear
    however densely a stranger's templates require each other.
    """
    order: dict[str, int] = {}
    circles: dict[str, int] = {}
    visited: list[str] = []  # whose circle is not known yet
    entries: list[str] = []  # of these, the first of each circle so far
    for start in library:
        path = [] if start.name in order else [(start.name, iter(start.requires))]
        while path:
            name, references = path[-1]
            if name not in order:
                order[name] = len(order)
                visited.append(name)
                entries.append(name)
            for reference in references:
                found = library.candidates(reference)
                if len(found) != 1:
                    continue
                if found[0].name not in order:
                    path.append((found[0].name, iter(found[0].requires)))
                    break
                if found[0].name not in circles:
                    while order[entries[-1]] > order[found[0].name]:
                        entries.pop()
            else:
                path.pop()
                if entries[-1] == name:
                    entries.pop()
                    number = len(circles)
                    while name not in circles:
                        circles[visited.pop()] = number
    return circles
