"""HTTP clients that prove who they are, and trust whom the settings name."""

from __future__ import annotations

import ssl

import httpx

from rulecompiler.deploy.settings import Credentials


def http_client(url: str, credentials: Credentials, timeout_seconds: float) -> httpx.Client:
    """A client for a server at this URL. Raises OSError where a certificate or key cannot be read.

    It follows no redirects, which could lead credentials elsewhere, and takes no proxy or `.netrc`
    from the environment.
    """
    verify: ssl.SSLContext | bool = False
    if url.startswith("https:"):
        verify = ssl.create_default_context(cafile=credentials.ca_file or None)
        if credentials.cert_file:
            # Without a password to try, OpenSSL would ask for that of an encrypted key on the terminal.
            verify.load_cert_chain(credentials.cert_file, credentials.key_file or None, password="")
    headers = {"Authorization": f"Bearer {credentials.token}"} if credentials.token else {}
    auth = httpx.BasicAuth(credentials.username, credentials.password) if credentials.username else None
    return httpx.Client(
        auth=auth,
        headers=headers,
        verify=verify,
        timeout=timeout_seconds,
        trust_env=False,
        follow_redirects=False,
    )
