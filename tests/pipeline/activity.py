"""What a stranger may try in a comment, and what of a comment GitHub would act upon."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

from comment_body import JOINER, MARKER

RUN = "https://github.com/sre/alerts/actions/runs/7"
TAGS = {f"<{end}{name}>" for name in ("details", "summary", "code", "b", "br", "sub") for end in ("", "/")}
HOSTILE = [
    "@everyone",
    "@sre/oncall please",
    "mail a@b.example",
    "&#64;user &commat;user &#x40;user",
    "\\@user",
    "`@user",
    "fixes #12, sre/other#12, GH-12, gh-12",
    "&num;12",
    "https://evil.example/x",
    "http:\\/\\/evil.example",
    "&#104;ttps://evil.example",
    "www.evil.example",
    "ftp://evil.example mailto:a@b.example",
    "[click](https://evil.example)",
    "[click](//evil.example)",
    "[click](javascript:alert(1))",
    "[click][1]\n\n[1]: https://evil.example",
    "[1]\n\n[1]: <//evil.example>",
    "text[^1]\n\n[^1]: note",
    "![beacon](https://evil.example/x.png)",
    f"![beacon](<{RUN}/artifacts/8>)",
    f"[The whole report](<{RUN}/artifacts/8/../../../../settings>)",
    f"[The whole report](<{RUN}0/artifacts/8>)",
    f"[![x](//e.example)](<{RUN}/artifacts/8>)",
    "<img src=https://evil.example/x.png>",
    "<a href='//evil.example'>click</a>",
    "<details open>",
    "<DETAILS onclick=x>",
    "<script>alert(1)</script>",
    "<style>*{}</style>",
    "<https://evil.example>",
    "<a@b.example>",
    "<!-- another:marker -->",
    f"{MARKER}\nforged",
    "<!-- rulecompiler:run 999999 -->",
    "<?php ?>",
    "<![CDATA[x]]>",
    "```mermaid\ngraph TD\nclick A 'https://evil.example'\n```",
    "> - ```mermaid\n>   x",
    "~~~ math\nx\n~~~",
    "````geojson\n{}\n````",
    "$`x`$ and $$\nx\n$$",
    "/lgtm\n/approve",
    "> /lgtm",
    "</details></details></summary>",
    "``` \n</details>",
    "\u202etxt.exe\u202c \u200b \x1b[31m \x00",
    "\r/lgtm\r\n@user\u2028@user",
]


def activity(text: str) -> list[str]:
    """What GitHub would act upon."""
    found = []
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(text)
    for token in [each for top in tokens for each in (top, *(top.children or ()))]:
        if token.type in ("link_open", "image"):
            target = str(token.attrs.get("href", token.attrs.get("src")))
            if not re.fullmatch(rf"{re.escape(RUN)}(/artifacts/[0-9]+)?", target) or token.type == "image":
                found.append(target)
        if token.type in ("html_inline", "html_block"):
            tags = re.findall(r"<[A-Za-z/!?][^>]*>?", token.content)
            found += [tag for tag in tags if tag.lower() not in TAGS]
        if token.type == "fence" and token.info.strip() not in ("", "diff", "yaml", "text", "promql"):
            # Of a name that begins with a joiner nothing is drawn.
            found += [] if token.info.startswith(JOINER) else [token.info]
    # Wherever code begins and ends by GitHub's parser, these are nowhere.
    outside = re.sub(rf"\(<{re.escape(RUN)}[^>]*>\)", "()", text)
    for pattern in (
        r"@\w",
        r"#\d",
        r"gh-\d",
        r"://",
        r"www\.",
        r"&(?!(?:lt|gt|amp|quot|#x27|#39);)[#\w]",
        r"\$[`$]",
        r"^[ \t>]*/\w",
    ):
        allowed = outside.replace("&#39;", "")
        found += re.findall(pattern, allowed.replace(JOINER, "\0"), re.IGNORECASE | re.MULTILINE)
    return found
