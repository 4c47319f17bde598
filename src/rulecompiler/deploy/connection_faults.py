"""Why a server gave no answer, in words: what was found, and the next thing to do."""

from __future__ import annotations

import socket
import ssl

import httpx

from rulecompiler.deploy.settings import Credentials
from rulecompiler.diagnostics import Diagnostic

# What OpenSSL makes of an answer in plain text; which one depends on its version.
_NOT_TLS = frozenset(
    (
        "WRONG_VERSION_NUMBER",
        "RECORD_LAYER_FAILURE",
        "HTTP_REQUEST",
        "PACKET_LENGTH_TOO_LONG",
        "UNKNOWN_PROTOCOL",
    )
)


def unusable_url(reason: str) -> Diagnostic:
    """A URL that leads nowhere (RC810); the URL is not repeated, as it may hold a password."""
    return Diagnostic(
        "RC810",
        f"the server's URL {reason}",
        help="write `url` as http://prometheus:9090, with the server's path prefix if it has one; "
        "credentials go into PROMETHEUS_USERNAME and PROMETHEUS_PASSWORD_FILE",
    )


def unusable_certificates(error: OSError, credentials: Credentials) -> Diagnostic:
    """Files of certificates that do not load (RC811)."""
    named = {
        "PROMETHEUS_CA_FILE": credentials.ca_file,
        "PROMETHEUS_CERT_FILE": credentials.cert_file,
        "PROMETHEUS_KEY_FILE": credentials.key_file,
    }
    variables = " or ".join(name for name, path in named.items() if path) or "the system"
    reason = (error.reason if isinstance(error, ssl.SSLError) else error.strerror) or "not PEM"
    return Diagnostic(
        "RC811",
        f"the certificates or the key that {variables} names cannot be used: {_words(reason)}",
        help="each must be a readable PEM file, and the key, not encrypted, that of the certificate: "
        "see `openssl x509 -noout -text -in FILE` and `openssl pkey -noout -text -in FILE`",
    )


def unreachable(url: str, cause: BaseException) -> Diagnostic:
    """Nobody there, or no way there (RC812)."""
    if isinstance(cause, socket.gaierror):
        return Diagnostic(
            "RC812",
            f"{url} cannot be reached: its host name cannot be resolved",
            help="correct the host in `url` (or PROMETHEUS_URL), or the name service of this machine; "
            "`getent hosts NAME` shows what it finds",
        )
    reason = _words(cause.strerror) if isinstance(cause, OSError) and cause.strerror else "no connection"
    return Diagnostic(
        "RC812",
        f"{url} cannot be reached: {reason}",
        help="see whether Prometheus runs and listens there, and `url` (or PROMETHEUS_URL) is right: "
        f"`curl {url}/-/ready`",
    )


def no_connection(url: str, seconds: float) -> Diagnostic:
    """A host that does not even refuse (RC812)."""
    return Diagnostic(
        "RC812",
        f"{url} cannot be reached: no connection within {seconds:g} s",
        help="see whether a firewall or network policy lies between, and `url` (or PROMETHEUS_URL) is right",
    )


def late(url: str, path: str, seconds: float) -> Diagnostic:
    """A server that hangs, or is too slow (RC813)."""
    return Diagnostic(
        "RC813",
        f"{url} did not answer {path} within {seconds:g} s",
        help="look at the server's log and load; it may be starting, or reading a pipe among its rule files",
    )


def lost(url: str, path: str) -> Diagnostic:
    """A connection that ended before its answer did (RC814)."""
    return Diagnostic(
        "RC814",
        f"the connection to {url} broke off before {path} was answered",
        help="see in the server's log whether it died or restarted, then run this again",
    )


def too_large(url: str, most_bytes: int) -> Diagnostic:
    """More than any Prometheus says (RC815)."""
    return Diagnostic(
        "RC815",
        f"the answer of {url} has more than {most_bytes // 2**20} MiB, and was not read to its end",
        help="see whether `url` leads to Prometheus",
    )


def unknown_packing(url: str) -> Diagnostic:
    """A content encoding that was not asked for (RC815)."""
    return Diagnostic(
        "RC815",
        f"the answer of {url} is packed in a way that was not asked for",
        help="see whether `url` leads to Prometheus, or to a proxy that packs what it passes on",
    )


def no_http(url: str) -> Diagnostic:
    """Bytes that are no answer (RC815)."""
    return Diagnostic(
        "RC815",
        f"what {url} answers is not HTTP, or is damaged",
        help="see whether the port in `url` is the one where Prometheus listens",
    )


def tls(url: str, cause: BaseException, *, connecting: bool) -> Diagnostic | None:
    """What keeps the two ends from trusting each other (RC816); None if it is not that."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Diagnostic(
            "RC816",
            f"the certificate of {url} is not trusted: {_words(cause.verify_message)}",
            help="name the authority that signed it in PROMETHEUS_CA_FILE, and in `url` the host it is for",
        )
    if not isinstance(cause, ssl.SSLError):
        return None
    reason = cause.reason or ""
    if connecting and reason in _NOT_TLS:
        return Diagnostic(
            "RC816",
            f"{url} speaks plain HTTP, not TLS",
            help=f"write `url` as {url.replace('https://', 'http://', 1)}, or have the server speak TLS",
        )
    if "ALERT" in reason:
        return Diagnostic(
            "RC816",
            f"{url} refuses this client's certificate, or that it has none: {_words(reason)}",
            help="name a certificate that the server's `client_ca_file` trusts in PROMETHEUS_CERT_FILE, "
            "and its key in PROMETHEUS_KEY_FILE",
        )
    if not connecting:
        return None  # cut off amid what was trusted before
    return Diagnostic(
        "RC816",
        f"no TLS connection to {url} comes about: {_words(reason) or 'it was cut off'}",
        help=f"see what it offers: `openssl s_client -connect {url.partition('://')[2].partition('/')[0]}`",
    )


def plain_to_tls(url: str) -> Diagnostic:
    """Plain HTTP to a port of HTTPS (RC816)."""
    return Diagnostic(
        "RC816",
        f"{url} expects TLS, and was asked in plain HTTP",
        help=f"write `url` as {url.replace('http://', 'https://', 1)}; "
        "PROMETHEUS_CA_FILE names an authority of your own",
    )


def root_cause(error: BaseException) -> BaseException:
    """The first error of the system or of TLS behind an error, else the error itself."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return error


def broke_off(error: httpx.HTTPError) -> bool:
    """Whether a breach of HTTP is that the other end was gone."""
    said = str(error)  # nothing else tells it from an answer that makes no sense
    return isinstance(error, httpx.RemoteProtocolError) and ("disconnected" in said or "closed" in said)


def _words(reason: str) -> str:
    return (
        reason.replace("_", " ").lower()
        if reason.isupper() or "_" in reason
        else reason[:1].lower() + reason[1:]
    )
