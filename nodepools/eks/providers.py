"""The providers for a stack on an EKS cluster that exists already."""

import json

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from nodepools.eks.cluster import named


def eks_providers(
    name_or_arn: pulumi.Input[str], region: pulumi.Input[str]
) -> list[pulumi.ProviderResource]:
    """Returns AWS's provider, and Kubernetes' one for the cluster of that name or ARN.

    The kubeconfig holds no credentials: the AWS CLI fetches a token when one is needed.
    """
    cluster_name = named(name_or_arn)
    provider = aws.Provider("aws", region=region)
    cluster = aws.eks.get_cluster_output(
        name=cluster_name, opts=pulumi.InvokeOutputOptions(provider=provider)
    )
    kubeconfig = pulumi.Output.all(cluster_name, region, cluster).apply(
        lambda known: _kubeconfig(*known)
    )
    return [
        provider,
        # By its identifier alone, so that a new endpoint or authority replaces nothing.
        kubernetes.Provider("cluster", kubeconfig=kubeconfig, cluster_identifier=cluster_name),
    ]


def _kubeconfig(cluster_name: str, region: str, cluster: aws.eks.GetClusterResult) -> str:
    """A kubeconfig as `aws eks update-kubeconfig` writes it, as JSON."""
    endpoint, authority = cluster.endpoint, cluster.certificate_authorities[0].data
    get_token = ["--region", region, "eks", "get-token", "--cluster-name", cluster_name]
    entry = {"name": cluster_name}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": cluster_name,
            "contexts": [entry | {"context": {"cluster": cluster_name, "user": cluster_name}}],
            "clusters": [
                entry | {"cluster": {"server": endpoint, "certificate-authority-data": authority}}
            ],
            "users": [
                entry
                | {
                    "user": {
                        "exec": {
                            "apiVersion": "client.authentication.k8s.io/v1beta1",
                            "command": "aws",
                            "args": [*get_token, "--output", "json"],
                        }
                    }
                }
            ],
        }
    )
