# syntax=docker/dockerfile:1
#
#     docker build --tag rulecompiler .                     the tool
#     docker build --tag alerts:COMMIT --target alerts .    the tool with this repo's alerts in /work
#
# The container needs no root, no writable root file system and no network but the way to Prometheus:
#
#     docker run --rm --read-only --tmpfs /tmp --network none --volume "$PWD:/work:ro" rulecompiler check
#
# The tags below name a Debian suite and a Python version, so that a rebuild gets their security fixes. Who wants
# the same bytes at every build pins the digest, and lets a bot renew it:
#
#     docker buildx imagetools inspect python:3.13-slim-trixie    shows it
#     FROM python:3.13-slim-trixie@sha256:…                       takes it
ARG PYTHON=3.13-slim-trixie

FROM python:${PYTHON} AS build
WORKDIR /source
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY scripts/install.sh scripts/
COPY schemas/ schemas/
COPY src/ src/
RUN sh scripts/install.sh /opt/rulecompiler

FROM python:${PYTHON} AS tool
# Debian's promtool: 2.53, as in compose.yaml. It must not be older than the servers; for newer ones, copy theirs:
#     COPY --from=prom/prometheus:v3.5.0 /bin/promtool /usr/local/bin/promtool
RUN apt-get update \
 && apt-get install --yes --no-install-recommends 'promtool=2.53.*' \
 && rm -rf /var/lib/apt/lists/* \
 # A user of our own: `nobody` may be somebody else's too, Prometheus' for one.
 && groupadd --gid 10001 rulecompiler \
 && useradd --uid 10001 --gid 10001 --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin rulecompiler \
 # A named volume takes over the owner of the folder that it is mounted on.
 && install --directory --owner 10001 --group 10001 /etc/prometheus/rules/generated
COPY --from=build /opt/rulecompiler /opt/rulecompiler
ENV PATH=/opt/rulecompiler/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["rulecompiler"]
CMD ["--help"]

# Its `deploy` and `drift` need no mount but the rules folder: deploy/kubernetes uses it.
FROM tool AS alerts
COPY rulecompiler.yaml ./
COPY alerts/ alerts/
COPY generated/ generated/
CMD ["deploy"]

FROM tool
