"""Fetches what AWS and Karpenter check node configurations with, at pinned versions.

Run as `python -m tests.nodepools.install`; needs Go. A second run finds everything in place.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

GO = shutil.which("go") or "go"
WORK = Path(__file__).parents[2] / ".work"
NODEADM = WORK / "bin" / "nodeadm"
SCHEMAS = WORK / "schemas"

NODEADM_MODULE = "github.com/awslabs/amazon-eks-ami/nodeadm"
# The newest version that the Go module proxy has; its features are those of the AMIs of that time.
NODEADM_VERSION = "v0.0.0-20240229193347-cfab22a10647"
KARPENTER_MODULE = "github.com/aws/karpenter-provider-aws"
KARPENTER_VERSION = "v1.14.1"
SCHEMA_FILES = {
    KARPENTER_MODULE: (
        "pkg/apis/crds/karpenter.k8s.aws_ec2nodeclasses.yaml",
        "pkg/apis/crds/karpenter.sh_nodepools.yaml",
    ),
}
VERSIONS = {NODEADM_MODULE: NODEADM_VERSION, KARPENTER_MODULE: KARPENTER_VERSION}


def install() -> None:
    """Makes nodeadm and the schemas present below `.work/`."""
    stamp = WORK / "nodepools.stamp"
    wanted = json.dumps([VERSIONS, SCHEMA_FILES], sort_keys=True)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    SCHEMAS.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [GO, "install", f"{NODEADM_MODULE}/cmd/nodeadm@{NODEADM_VERSION}"],
        check=True,
        env={**os.environ, "GOBIN": str(NODEADM.parent), "CGO_ENABLED": "0"},
    )
    for module, files in SCHEMA_FILES.items():
        folder = download(module, VERSIONS[module])
        for file in files:
            target = SCHEMAS / Path(file).name
            target.unlink(missing_ok=True)
            shutil.copy(folder / file, target)
    stamp.write_text(wanted)


def download(module: str, version: str) -> Path:
    """Returns the folder of a Go module's source."""
    result = subprocess.run(
        [GO, "mod", "download", "-json", f"{module}@{version}"],
        check=True,
        capture_output=True,
        text=True,
    )
    return Path(json.loads(result.stdout)["Dir"])


if __name__ == "__main__":
    install()
