"""Certificates for the loopback, made anew by the openssl program: none of them is worth keeping."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Certificates(NamedTuple):
    """Files in PEM: an authority, and whom it vouches for. Each key lies beside its certificate."""

    authority: Path
    server: Path  # for 127.0.0.1
    client: Path
    encrypted_key: Path  # the client's, with a password


def make(openssl: str, folder: Path) -> Certificates:
    """Make them in an empty folder."""

    def run(*arguments: str) -> None:
        done = subprocess.run([openssl, *arguments], cwd=folder, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr

    run(
        *(
            "req",
            "-x509",
            *_KEY,
            "-keyout",
            "authority.key",
            "-out",
            "authority.pem",
            "-subj",
            "/CN=authority",
        ),
        *("-days", "2", "-addext", "keyUsage=critical,keyCertSign,cRLSign"),
    )
    for name in ("server", "client"):
        extensions = folder / f"{name}.ext"
        extensions.write_text(
            "subjectAltName=IP:127.0.0.1\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        )
        run("req", *_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        run(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "authority.pem", "-CAkey", "authority.key"),
            *("-CAcreateserial", "-days", "2", "-extfile", extensions.name, "-out", f"{name}.pem"),
        )
    run("pkey", "-in", "client.key", "-aes128", "-passout", "pass:unknown", "-out", "encrypted.key")
    return Certificates(
        folder / "authority.pem", folder / "server.pem", folder / "client.pem", folder / "encrypted.key"
    )


def key_of(certificate: Path) -> Path:
    """The key of one of them."""
    return certificate.with_suffix(".key")
