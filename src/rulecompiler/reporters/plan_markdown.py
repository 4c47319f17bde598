"""A plan as one comment on a pull request: the verdict and the dangers in sight, the details folded away.

Markdown as GitHub reads it, at most `LIMIT` long however much changes. Texts of others stand in code spans
and fences (see `plan_markdown_text`); a line never begins with one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from rulecompiler.diagnostics import Diagnostic, Severity
from rulecompiler.diff.model import Action, FieldChange, Fold, Part, Plan
from rulecompiler.reporters import plan_words as words
from rulecompiler.reporters.plan_markdown_text import code, compared, fence, html_code
from rulecompiler.reporters.plan_sections import Block, Section, fitted, size

MARKER = "<!-- rulecompiler:plan -->"
"""The first line of every comment, by which it is found again; further down, others may have written it."""
LIMIT = 64_000
"""Characters, as UTF-16 counts them; GitHub takes 65,536, and who posts it adds some."""
_HEADING = "## Alert rules: what this change does"
_MOST_MEMBERS = 40
_MOST_FAULTS = 10


def as_markdown(plan: Plan, link: str = "") -> str:
    """The comment. `link` is where the whole report lies (an http address); what is left out points to it."""
    sides = f"{words.side(plan.base, code)} → {words.side(plan.head, code)}"
    if words.is_certainly_empty(plan):
        unchanged = words.plural(plan.counts.unchanged, "rule")
        return f"{MARKER}\n**No alert rule changes**, {unchanged} unchanged: {sides}{_formatting(plan)}\n"
    report = f" [The whole report](<{link}>)." if link else ""
    top = f"{MARKER}\n{_HEADING}\n\n**{plan.summary}**{report}\n\n{sides}\n"
    return top + fitted(_sections(plan, link), LIMIT - size(top))


def refusal(diagnostics: Iterable[Diagnostic]) -> str:
    """The comment where nothing could be compared at all, and why."""
    found = sorted(diagnostics, key=lambda fault: fault.severity is not Severity.ERROR)
    top = f"{MARKER}\n{_HEADING}\n\n**Nothing could be compared**: whether a rule changes is not known.\n"
    section = Section([_fault("", fault) for fault in found], "\n", left_out=_left_out("", "fault"))
    return top + fitted([section], LIMIT - size(top))


def _formatting(plan: Plan) -> str:
    if not plan.untouched_edits:
        return ""
    return f"; no rule changes by the edits of {words.names(plan.untouched_edits, code)}"


def _sections(plan: Plan, link: str) -> Iterator[Section]:
    kinds = words.sorted_by_danger(plan)
    left_out = _left_out(link, "kind of change")
    for folds, kind, noun, sentence, floor in (
        (kinds.lost, "CAUTION", "rule lost", words.LOST, 16_000),
        (kinds.reset, "WARNING", "alert that starts over", words.STARTS_OVER, 10_000),
    ):
        number = words.number_of_rules(folds)
        head = f"\n> [!{kind}]\n> **{words.counted(number, noun)}**: {sentence}\n>\n"
        yield Section([_block(fold) for fold in folds], head, "", "> ", floor, left_out)
    yield from _unknown(plan, link)
    number = words.number_of_rules(kinds.handed_over)
    title = words.counted(number, "rule that changes hands")
    head = f"\n> [!IMPORTANT]\n> **{title}**: {words.HANDED_OVER}\n>\n"
    yield Section([_block(fold) for fold in kinds.handed_over], head, "", "> ", 4_000, left_out)
    edits = [Block(f"- {words.cause(cause, code)}\n", rules=0) for cause in plan.causes]
    if plan.untouched_edits:
        untouched = f"no rule changes by the edits of {words.names(plan.untouched_edits, code)}"
        edits.append(Block(f"- {untouched}\n", rules=0))
    yield Section(edits, "\n### Edits and how far they reach\n\n", "", "", 3_000, _left_out(link, "edit"))
    dangers = len(plan.folds) - len(kinds.other)
    title = "The other changes" if dangers else "Changes"
    yield Section([_block(f) for f in kinds.other], f"\n### {title}\n\n", "", "", 6_000, left_out)
    head = "\n<details>\n<summary>Compiled rules, before and after</summary>\n\n"
    yield Section(list(_compiled(kinds)), head, "\n</details>\n", "", 6_000, left_out)
    head = "\n<details>\n<summary>By group</summary>\n\n"
    yield Section(list(_groups(plan)), head, "\n</details>\n", "", 2_000, _left_out(link, "line"))


def _unknown(plan: Plan, link: str) -> Iterator[Section]:
    """Groups that could not be compared, then faults that belong to none of them."""
    number = len(plan.incomparable)
    title = f"{words.plural(number, 'group')} could not be compared"
    head = f"\n> [!WARNING]\n> **{title}**: {words.UNKNOWN}\n>\n"
    blocks = []
    for each in plan.incomparable:
        line = f"- {words.not_compared(each, code)}"
        why = "" if each.diagnostic is None else f": {_reason(each.diagnostic)}"
        blocks.append(Block(f"{line}{why}\n", f"{line}\n", 0))
    yield Section(blocks, head, "", "> ", 6_000, _left_out(link, "group"))
    told = {each.diagnostic for each in plan.incomparable}
    faults = [(key, fault) for key, fault in words.errors(plan) if fault not in told]
    shown = [_fault(f"{key}: ", fault) for key, fault in faults[:_MOST_FAULTS]]
    if len(faults) > len(shown):
        shown.append(Block(f"- … and {words.plural(len(faults) - len(shown), 'more error')}\n", rules=0))
    title = f"**{words.plural(len(faults), 'error')}** in what was compared"
    yield Section(shown, f"\n> [!WARNING]\n> {title}\n>\n", "", "> ", 3_000, _left_out(link, "error"))


def _fault(start: str, fault: Diagnostic) -> Block:
    helped = f"\n  help: {code(fault.help, 400)}" if fault.help else ""
    line = f"- {start}{_reason(fault)}"
    return Block(f"{line}{helped}\n", f"{line}\n", 0)


def _reason(fault: Diagnostic) -> str:
    where = words.place(fault.place)
    return f"{code(words.reason(fault), 400)}{f' in {code(where)}' if where else ''}"


def _block(fold: Fold) -> Block:
    """What becomes of some rules alike: on one line where there is but one thing to say."""
    change = fold.example
    why = words.why(change)
    line = f"- `{change.action.symbol}` {words.subject(fold, code)}{f': {why}' if why else ''}"
    said = list(_said(fold))
    if len(said) == 1 and len(line) + len(said[0]) < 400:
        full = f"{line}{'; ' if why else ': '}{said[0]}\n"
        return Block(full, full, len(fold.changes))
    full = "".join([f"{line}\n", *(f"  - {each}\n" for each in said)])
    if not said or (change.action is Action.REMOVE and change.is_lost):
        brief = f"{line}\n"  # the section's head says what else there is to say
    else:
        brief = f"{line}{'; ' if why else ': '}{said[0]} …\n"
    return Block(full, brief, len(fold.changes))


def _said(fold: Fold) -> Iterator[str]:
    """The most telling first."""
    change = fold.example
    for line in words.handovers(change, code):
        yield f"**{line.text}**" if line.is_loss else line.text
    if change.resets:
        reasons = "; ".join(words.reset(fold, each, code) for each in change.resets)
        yield f"**starts over**: {reasons}{_at(words.place_of_resets(change))}"
    for field in words.own_fields(change):
        yield f"{_field(field)}{_at(words.place(field.place))}"
    about = words.about(fold, code)
    if about:
        yield about
    causes = words.causes_elsewhere(change)
    if causes:
        yield f"because of {words.names(causes, code)}"


def _field(change: FieldChange) -> str:
    label = code(change.label) if change.key else change.label
    if change.parts:
        return f"{label} {' '.join(map(_part, words.trimmed(change.parts)))}"
    old = "(none)" if change.old is None else code(change.old)
    new = "(none)" if change.new is None else code(change.new)
    return f"{label} {old} → **{new}**"


def _part(part: Part) -> str:
    if part.op == "=":
        return code(part.text)
    return f"<del>{code(part.text)}</del>" if part.op == "-" else f"<ins>{code(part.text)}</ins>"


def _at(where: str) -> str:
    return f" ({code(where)})" if where else ""


def _compiled(kinds: Iterable[Iterable[Fold]]) -> Iterator[Block]:
    """The rules before and after: the first of a fold in full, the others by name."""
    length = 0
    for fold in chain.from_iterable(kinds):
        if length > LIMIT:  # what comes now is counted only
            yield Block("", rules=len(fold.changes))
            continue
        change = fold.example
        title = f"<code>{change.action.symbol}</code> {words.subject(fold, html_code, 3)}"
        others = ""
        if len(fold.changes) > 1:
            members = [f"{each.rule.group_id}/{each.rule.key}" for each in fold.changes[1:]]
            others = f"\nAlike in {words.names(members, code, _MOST_MEMBERS)}\n"
        body = fence(compared(change.old, change.new), "diff")
        text = f"<details>\n<summary>{title}</summary>\n\n{body}{others}\n</details>\n"
        length += size(text)
        yield Block(text, rules=len(fold.changes))


def _groups(plan: Plan) -> Iterator[Block]:
    """What changes in each group; groups of which the same is to be said, once."""
    alike: dict[tuple[tuple[str, tuple[str, ...]], ...], list[str]] = {}
    for group_id, changes in plan.by_group():
        signs: dict[str, list[str]] = {}
        for change in changes:
            signs.setdefault(change.action.symbol, []).append(change.rule.key)
        alike.setdefault(tuple((sign, tuple(keys)) for sign, keys in sorted(signs.items())), []).append(
            group_id
        )
    for signed, group_ids in alike.items():
        which = words.names(group_ids, code, _MOST_MEMBERS)
        many = f" ({len(group_ids):,} groups)" if len(group_ids) > 1 else ""
        listed = "; ".join(f"`{sign}` {words.names(keys, code, 12)}" for sign, keys in signed)
        counted = ", ".join(f"`{sign}` {len(keys):,}" for sign, keys in signed)
        rules = len(group_ids) * sum(len(keys) for _, keys in signed)
        brief = f"- {words.names(group_ids, code, 3)}{many}: {counted}\n"
        yield Block(f"- {which}{many}: {listed}\n", brief, rules)


def _left_out(link: str, noun: str) -> Callable[[int, int], str]:
    where = f"[the whole report](<{link}>) has them" if link else "the html report has them"

    def line(blocks: int, rules: int) -> str:
        about = f" ({words.plural(rules, 'rule')})" if rules else ""
        many = words.counted(blocks, noun).replace(" ", " more ", 1)
        return f"\n**… and {many}{about}, for which a comment has no room: {where}.**\n"

    return line
