"""The Kubernetes manifests: the restricted pod standard, no rights in the cluster, and names that agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
OBJECTS: dict[str, dict[str, Any]] = {
    f"{item['kind']}/{item['metadata'].get('name') or item['metadata']['generateName']}": item
    for path in sorted(FOLDER.glob("*.yaml"))
    for item in yaml.safe_load_all(path.read_text("utf-8"))
}
PROMETHEUS = "StatefulSet/prometheus"
DEPLOYER = "Job/rulecompiler-deploy-"
DRIFT = "CronJob/rulecompiler-drift"


def template(name: str) -> dict[str, Any]:
    spec = OBJECTS[name]["spec"]
    found: dict[str, Any] = (spec["jobTemplate"]["spec"] if "jobTemplate" in spec else spec)["template"]
    return found


def container(name: str) -> dict[str, Any]:
    (found,) = template(name)["spec"]["containers"]
    return dict(found)


def variables(name: str) -> dict[str, str]:
    return {item["name"]: item["value"] for item in container(name)["env"]}


def test_objects_are_of_one_namespace_and_of_kinds_that_need_no_cluster_rights() -> None:
    namespace = OBJECTS["Namespace/alerting"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for name, item in OBJECTS.items():
        assert item["kind"] in {
            "ConfigMap", "CronJob", "Job", "Namespace", "NetworkPolicy", "PersistentVolumeClaim", "Service",
            "StatefulSet",
        }, name  # fmt: skip
        assert item is namespace or item["metadata"]["namespace"] == "alerting", name


@pytest.mark.parametrize("name", [PROMETHEUS, DEPLOYER, DRIFT])
def test_pod_keeps_to_the_restricted_standard(name: str) -> None:
    """Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted."""
    spec = template(name)["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "serviceAccountName"} & spec.keys()
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container(name)["resources"]["limits"]["memory"]
    for volume in spec["volumes"]:
        assert volume.keys() <= {"name", "configMap", "persistentVolumeClaim", "emptyDir"}


@pytest.mark.parametrize("name", [DEPLOYER, DRIFT])
def test_run_is_not_repeated_and_stands_beside_prometheus(name: str) -> None:
    spec = OBJECTS[name]["spec"]
    job = spec["jobTemplate"]["spec"] if name == DRIFT else spec
    assert job["backoffLimit"] == 0
    assert template(name)["spec"]["restartPolicy"] == "Never"
    (term,) = template(name)["spec"]["affinity"]["podAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"
    ]
    assert term["labelSelector"]["matchLabels"] == template(PROMETHEUS)["metadata"]["labels"]
    assert container(name)["args"] == [{DEPLOYER: "deploy", DRIFT: "drift"}[name]]


def test_drift_differs_from_the_deployer_in_what_it_runs_and_may_write() -> None:
    assert (
        template(DEPLOYER)["metadata"] == template(DRIFT)["metadata"]
    )  # the network policy knows them by it
    ours, theirs = container(DEPLOYER), container(DRIFT)
    assert {key for key in ours if ours[key] != theirs[key]} == {"args", "volumeMounts"}
    assert [mount.get("readOnly", False) for mount in ours["volumeMounts"]] == [False, False]
    assert [mount.get("readOnly", False) for mount in theirs["volumeMounts"]] == [True, False]


def test_what_the_deployer_writes_is_what_prometheus_reads() -> None:
    config = yaml.safe_load(OBJECTS["ConfigMap/prometheus"]["data"]["prometheus.yml"])
    assert config["rule_files"] == [f"{variables(DEPLOYER)['PROMETHEUS_RULE_PATH']}/current/*.yml"]
    for name in (PROMETHEUS, DEPLOYER, DRIFT):
        mounts = {mount["name"]: mount for mount in container(name)["volumeMounts"]}
        assert mounts["rules"]["mountPath"] == "/etc/prometheus/rules"
        assert "subPath" not in str(mounts)  # such a mount stays with what `current` led to
        volumes = {volume["name"]: volume for volume in template(name)["spec"]["volumes"]}
        assert volumes["rules"] == {
            "name": "rules",
            "persistentVolumeClaim": {
                "claimName": OBJECTS["PersistentVolumeClaim/prometheus-rules"]["metadata"]["name"]
            },
        }
        assert template(name)["spec"]["securityContext"]["fsGroup"] == 10001
    assert "--web.enable-lifecycle" in container(PROMETHEUS)["args"]


def test_names_lead_somewhere() -> None:
    labels = template(PROMETHEUS)["metadata"]["labels"]
    assert OBJECTS[PROMETHEUS]["spec"]["selector"]["matchLabels"] == labels
    service = OBJECTS["Service/prometheus"]
    assert service["spec"]["selector"] == labels
    host = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc"
    (port,) = service["spec"]["ports"]
    assert variables(DEPLOYER)["PROMETHEUS_URL"] == f"http://{host}:{port['port']}"
    assert port["targetPort"] in {item["name"] for item in container(PROMETHEUS)["ports"]}


def test_network_is_closed_but_for_the_deployer_and_prometheus() -> None:
    policies = {name: item["spec"] for name, item in OBJECTS.items() if item["kind"] == "NetworkPolicy"}
    assert policies.pop("NetworkPolicy/default-deny") == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }
    selected = {name: spec["podSelector"]["matchLabels"] for name, spec in policies.items()}
    assert selected == {
        "NetworkPolicy/rulecompiler": template(DEPLOYER)["metadata"]["labels"],
        "NetworkPolicy/prometheus": template(PROMETHEUS)["metadata"]["labels"],
    }
    assert "ingress" not in policies["NetworkPolicy/rulecompiler"]
    (way_in,) = policies["NetworkPolicy/prometheus"]["ingress"]
    assert way_in["from"] == [{"podSelector": {"matchLabels": selected["NetworkPolicy/rulecompiler"]}}]
