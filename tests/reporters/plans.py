"""Plans for the tests of reports: with every kind of change, hostile texts in every place, any size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html.parser import HTMLParser

from rulecompiler.diagnostics import Diagnostic, Severity, Span
from rulecompiler.diff.folding import count, fold
from rulecompiler.diff.inline import Inline
from rulecompiler.diff.model import (
    Action,
    Cause,
    Cover,
    FieldChange,
    Incomparable,
    Plan,
    Reset,
    RuleAt,
    RuleChange,
    SideName,
)

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</details></details><h1>owned</h1>",
    "</code></pre></summary><b>x",
    "<!-- rulecompiler:plan -->",
    "<!--",
    "--> -- >",
    "@everyone @octocat",
    "#123 GH-1 owner/repo#1",
    "`x` ``y`` ```z",
    "```\n</pre>\n```",
    "~~~~\n</details>\n~~~~",
    "| a | b |\n|--|--|",
    "[x](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "https://evil.example www.evil.example",
    "mail@evil.example <https://evil.example>",
    "\u202eevil\u2066\u200b",
    "\x1b[31mred\x07\x00\x9b",
    "## heading",
    "- list\n> quote\n\n    code",
    "$$x$$ $`y`$",
    "::error::x",
    "##[error]x",
    ":smile: *a* _b_ ~~c~~",
    "&lt;&amp;&#64;everyone",
    "`",
    "``",
    "\\",
    "\\`",
    "{{ 7*7 }} {% x %} ${x}",
    "' onmouseover='x' \"><svg onload=x>",
    "a\r\nb\u2028c\x0bd\u0085e",
    "\U0001f642" * 40,
    "\udcff",
    "[!CAUTION]\n> x",
    "x" * 100_000,
    "y\n" * 5_000,
)
"""Texts that mean something to a browser, to markdown, to GitHub, to its log or to a terminal."""


def rule(number: int = 0, value: str = "80", text: str = "busy", group: str = "", **other: object) -> RuleAt:
    """A compiled rule; `other` replaces fields."""
    group_id = group or f"grp-{number % 700}"
    found = RuleAt(
        group_id,
        f"group-{group_id}.yml",
        "production_cpu",
        "alert",
        f"HighCPU{number}_Production",
        f"HighCPU{number}",
        "node/HighCPU",
        f'100 - avg by (instance) (rate(node_cpu{{group_id="{group_id}"}}[5m])) * 100\n  > {value}',
        "5m",
        None,
        {"severity": "warning", "group": "production"},
        {"summary": "High CPU on {{ $labels.instance }}", "description": text},
        Span("alerts/groups/x.yaml", 3, 1, 3, 4),
    )
    return found._replace(**other)  # type: ignore[arg-type]


def at(line: int, path: str = "alerts/groups/x.yaml") -> Span:
    """A place in a group file."""
    return Span(path, line, 5, line, 9)


def changed(number: int = 0, text: str = "busy") -> RuleChange:
    """Another threshold."""
    fields = (FieldChange("param", "threshold", "80", str(number), at(10), at(10)),)
    old, new = rule(number, "80", text), rule(number, str(number), text)
    return RuleChange(Action.CHANGE, old, new, fields, causes=("alerts/groups/x.yaml",))


def lost(number: int = 0) -> RuleChange:
    """A rule that nobody covers any more."""
    return RuleChange(
        Action.REMOVE, rule(number), None, why="disabled", causes=(f"alerts/groups/grp-{number}.yaml",)
    )


def reset(number: int = 0) -> RuleChange:
    """An alert that starts over, each for a reason of its own."""
    old = rule(number)
    new = rule(number, labels={"severity": f"critical{number}", "group": "production"})
    field = FieldChange("label", "severity", "warning", f"critical{number}", at(12))
    why = (Reset("label", "severity", "warning", f"critical{number}"),)
    return RuleChange(Action.REPLACE, old, new, (field,), why, causes=("alerts/groups/x.yaml",))


def moved(number: int = 0) -> RuleChange:
    """A rule whose targets another one covers now."""
    cover = (Cover(f"all-{number}", "HighCPU", "HighCPU_All"),)
    return RuleChange(Action.REMOVE, rule(number), None, why="covered", covered_by=cover)


def added(number: int = 0) -> RuleChange:
    """A rule that was not there before."""
    return RuleChange(Action.ADD, None, rule(number), why="entry added")


def broken(number: int = 0, message: str = "unknown key `paramz`") -> Incomparable:
    """A group whose head does not compile."""
    fault = Diagnostic("RC201", message, at(2, f"alerts/groups/grp-{number}.yaml"), help="take it away")
    return Incomparable(f"grp-{number}", ("head",), fault)


def plan(
    changes: Iterable[RuleChange] = (), incomparable: Sequence[Incomparable] = (), **other: object
) -> Plan:
    """A plan of these changes, none like another."""
    found = list(changes)
    folds = fold(found, {n: (("expr", "", n),) for n in range(len(found))})
    shown = tuple(change for each in folds for change in each.changes)
    path = "alerts/groups/x.yaml"
    causes = (Cause(path, "group", "changed", "", 3, len(found), len(found)),) if found else ()
    known = {
        "base": SideName("main", "31b6072d6417da8b", "merge base of HEAD and main"),
        "head": SideName("HEAD"),
    }
    return Plan(
        **{  # type: ignore[arg-type]
            **known,
            "changes": shown,
            "folds": folds,
            "causes": causes,
            "counts": count(found, 120),
            "incomparable": tuple(incomparable),
            **other,
        }
    )


def with_everything(text: str) -> Plan:
    """A plan of every kind of change, with this text wherever somebody else may write one."""

    def of(number: int, value: str = "old") -> RuleAt:
        return RuleAt(
            f"{text}{number}", text, text, "alert", f"{text}_x", text, text, f"{value} {text}", text, text,
            {"severity": value, text: text}, {"summary": f"{value} {text}", text: text}, at(3, text), text,
        )  # fmt: skip

    def field(name: str, key: str, old: str | None, new: str | None) -> FieldChange:
        return FieldChange(name, key, old, new, at(9, text), at(9, text))  # type: ignore[arg-type]

    query = field("expr", "", f"old {text} end", f"new {text} end")
    fields = (
        field("param", text, text, f"new {text}"),
        field("label", text, None, text),
        field("annotation", text, text, None),
        field("for", "", text, f"{text}2"),
        query._replace(parts=Inline().parts(query.old or "", query.new or "")),
    )
    resets = (Reset("label", text, text, f"{text}2"), Reset("file", "", text, f"new {text}"))
    cover = Cover(text, text, text)
    changes = [
        RuleChange(Action.REMOVE, of(1), None, why="disabled", causes=(f"c{text}",)),
        RuleChange(Action.CHANGE, of(2), of(2, "new"), fields, uncovered=(cover._replace(slice=text),)),
        RuleChange(Action.REPLACE, of(3), of(3, "new"), fields, resets, causes=(f"c{text}", text)),
        RuleChange(Action.REMOVE, of(4), None, covered_by=(cover, cover._replace(slice=text)), why="covered"),
        RuleChange(Action.ADD, None, of(5), takes_over=(cover,), why="entry added"),
        RuleChange(Action.CHANGE, of(6), of(6, "new"), fields, causes=(f"c{text}",)),
        *(RuleChange(Action.ADD, None, of(number), causes=(f"c{text}",)) for number in range(7, 20)),
    ]
    fault = Diagnostic("RC201", f"bad {text}", at(2, text), label=text, help=f"help {text}")
    folds = fold(changes, {})
    return Plan(
        SideName(text, text, text),
        SideName(text),
        tuple(change for each in folds for change in each.changes),
        folds,
        (Cause(f"p/{text}", "template", "changed", "", 2, 3, 1),),
        count(changes, 1),
        (Incomparable(text, ("base", "head"), fault),),
        {"head": (Diagnostic("RC999", text, at(1, text), severity=Severity.ERROR),)},
        (text, f"{text}2"),
    )


VOID = frozenset({"meta", "link", "br", "hr", "img", "input"})


class Html(HTMLParser):
    """Checks that tags are closed in order; collects what they are and what stands in them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self.comments: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((tuple(self.open), data))

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def text_outside(self, *tags: str) -> str:
        """The text that stands in none of these."""
        return "".join(text for path, text in self.texts if not set(tags) & set(path))
