"""How to prove to a server who one is: from the environment, and the files that it names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from rulecompiler.deploy.secret_files import Unreadable, read_secret, why_unreadable
from rulecompiler.deploy.settings import Credentials
from rulecompiler.deploy.settings_environment import own_name, variable
from rulecompiler.diagnostics import Diagnostic

# What a header can carry: https://www.rfc-editor.org/rfc/rfc9110#section-5.5, without blanks.
_TOKEN = re.compile(r"[!-~]+")
# Neither part of Basic credentials may hold one: https://www.rfc-editor.org/rfc/rfc7617#section-2.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class _Secret(NamedTuple):
    """A text, the variable that it comes from, and whether that is the target's own."""

    variable: str
    text: str
    own: bool


def read_credentials(target: str, environ: Mapping[str, str], faults: list[Diagnostic]) -> Credentials:
    """A target's credentials; its own variables win over those for all. Faults are RC806 to RC808."""
    before = len(faults)
    username = _plain(target, environ, "USERNAME")
    password = _secret(target, environ, "PASSWORD", faults)
    token = _secret(target, environ, "TOKEN", faults)
    if token is not None and (username or password):
        # A token of its own puts off what holds for all, and so does a name or password of its own.
        of_basic = bool((username and username.own) or (password and password.own))
        if token.own and not of_basic:
            username = password = None
        elif of_basic and not token.own:
            token = None
        else:
            other = username or password
            assert other is not None
            faults.append(_both(token.variable, other.variable))
    if (username is None) != (password is None) and len(faults) == before:
        faults.append(_half(target, username, password))
    _judge(username, password, token, faults)
    files = {what: _file(target, environ, what, faults) for what in ("CA_FILE", "CERT_FILE", "KEY_FILE")}
    if files["KEY_FILE"] and not files["CERT_FILE"]:
        faults.append(
            Diagnostic(
                "RC806",
                "a key file is given, but no certificate",
                help=_set_too(target, "CERT_FILE"),
            )
        )
    return Credentials(
        username.text if username else "",
        password.text if password else "",
        token.text if token else "",
        files["CA_FILE"],
        files["CERT_FILE"],
        files["KEY_FILE"],
    )


def _plain(target: str, environ: Mapping[str, str], what: str) -> _Secret | None:
    found = variable(environ, target, what)
    return None if found is None else _Secret(found.name, found.value.rstrip("\r\n"), found.own)


def _secret(target: str, environ: Mapping[str, str], what: str, faults: list[Diagnostic]) -> _Secret | None:
    """The text of a variable, or of the file that another one names."""
    plain = _plain(target, environ, what)
    file = variable(environ, target, f"{what}_FILE")
    if plain is not None and file is not None and plain.own == file.own:
        faults.append(_both(plain.variable, file.name))
        return None
    if file is None or (plain is not None and plain.own):
        return plain
    text = read_secret(file.value)
    if isinstance(text, Unreadable):
        faults.append(_unreadable(file.name, text.reason))
        return None
    return _Secret(file.name, text, file.own)


def _file(target: str, environ: Mapping[str, str], what: str, faults: list[Diagnostic]) -> str:
    found = variable(environ, target, what)
    if found is None:
        return ""
    reason = why_unreadable(found.value)
    if reason:
        faults.append(_unreadable(found.name, reason))
    return found.value


def _judge(
    username: _Secret | None, password: _Secret | None, token: _Secret | None, faults: list[Diagnostic]
) -> None:
    if token is not None and not _TOKEN.fullmatch(token.text):
        faults.append(_odd(token.variable, "a token", "blanks, control characters or letters beyond ASCII"))
    if username is not None and (":" in username.text or _CONTROL.search(username.text)):
        faults.append(_odd(username.variable, "a user's name", "`:` or control characters"))
    if password is not None and _CONTROL.search(password.text):
        faults.append(_odd(password.variable, "a password", "control characters"))


def _odd(name: str, what: str, odd: str) -> Diagnostic:
    return Diagnostic(
        "RC808",
        f"what the variable {name} leads to cannot be {what}: it holds {odd}",
        help="see that it is the secret alone, on one line",
    )


def _both(first: str, second: str) -> Diagnostic:
    return Diagnostic(
        "RC806", f"the variables {first} and {second} are both set", help="unset one of the two"
    )


def _half(target: str, username: _Secret | None, password: _Secret | None) -> Diagnostic:
    there, missing = ("user's name", "password") if password is None else ("password", "user's name")
    found = username or password
    assert found is not None
    name = "PASSWORD_FILE" if password is None else "USERNAME"
    return Diagnostic(
        "RC806",
        f"the variable {found.variable} gives a {there}, but nothing gives the {missing}",
        help=_set_too(target, name),
    )


def _unreadable(name: str, reason: str) -> Diagnostic:
    # Not the path: whoever confuses the two variables has put the secret itself there.
    return Diagnostic(
        "RC807",
        f"the file that the variable {name} names {reason}",
        help=f"correct {name}, or let this user read the file",
    )


def _set_too(target: str, what: str) -> str:
    return f"set PROMETHEUS_{what} too, or {own_name(target, what)} for this target alone"
