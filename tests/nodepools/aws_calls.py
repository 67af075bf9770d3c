"""From what Pulumi's provider is asked for to the calls that it makes of AWS's API."""

from typing import Any

from preloader.plain import Map


def create_launch_template(inputs: Map, name: str) -> Map:
    """The parameters of EC2's CreateLaunchTemplate."""
    content = {
        "LaunchTemplateData": _launch_template_data(inputs),
        "LaunchTemplateName": name,
    }
    if tags := inputs.get("tags"):
        content["TagSpecifications"] = [
            {"ResourceType": "launch-template", "Tags": _tag_list(tags)}
        ]
    return content


def create_launch_template_version(inputs: Map, identity: str) -> Map:
    """The parameters of EC2's CreateLaunchTemplateVersion."""
    return {"LaunchTemplateId": identity, "LaunchTemplateData": _launch_template_data(inputs)}


def create_node_group(inputs: Map, name: str, template: str, version: str) -> Map:
    """The parameters of EKS's CreateNodegroup."""
    same = ("amiType", "capacityType", "instanceTypes", "labels", "tags", "version")
    return {
        "nodegroupName": name,
        "clusterName": inputs["clusterName"],
        "nodeRole": inputs["nodeRoleArn"],
        "subnets": inputs["subnetIds"],
        "scalingConfig": inputs["scalingConfig"],
        "launchTemplate": {"id": template, "version": version},
        **{key: inputs[key] for key in (*same, "releaseVersion", "taints") if key in inputs},
        **({"updateConfig": inputs["updateConfig"]} if "updateConfig" in inputs else {}),
    }


def update_node_group_config(before: Map, after: Map, name: str) -> Map:
    """The parameters of EKS's UpdateNodegroupConfig."""
    gone = [taint for taint in before.get("taints", []) if taint not in after.get("taints", [])]
    labels = after.get("labels", {})
    return {
        "nodegroupName": name,
        "clusterName": after["clusterName"],
        "scalingConfig": after["scalingConfig"],
        "labels": {
            "addOrUpdateLabels": labels,
            "removeLabels": sorted(before.get("labels", {}).keys() - labels.keys()),
        },
        "taints": {"addOrUpdateTaints": after.get("taints", []), "removeTaints": gone},
        **({"updateConfig": after["updateConfig"]} if "updateConfig" in after else {}),
    }


def update_node_group_version(inputs: Map, name: str, template: str, version: str) -> Map:
    """The parameters of EKS's UpdateNodegroupVersion, which rolls the nodes."""
    return {
        "nodegroupName": name,
        "clusterName": inputs["clusterName"],
        "launchTemplate": {"id": template, "version": version},
        **({"releaseVersion": inputs["releaseVersion"]} if "releaseVersion" in inputs else {}),
        **({"force": True} if inputs.get("forceUpdateVersion") else {}),
    }


def create_role(inputs: Map, name: str) -> Map:
    """The parameters of IAM's CreateRole."""
    content = {
        "RoleName": name,
        "AssumeRolePolicyDocument": inputs["assumeRolePolicy"],
        "Description": inputs["description"],
    }
    if tags := inputs.get("tags"):
        content["Tags"] = _tag_list(tags)
    return content


def _launch_template_data(inputs: Map) -> Map:
    data: Map = {
        "BlockDeviceMappings": [
            {"DeviceName": mapping["deviceName"], "Ebs": _capitalized(mapping["ebs"])}
            for mapping in inputs["blockDeviceMappings"]
        ],
        "MetadataOptions": _capitalized(inputs["metadataOptions"]),
        "UserData": inputs["userData"],
        "TagSpecifications": [
            {"ResourceType": item["resourceType"], "Tags": _tag_list(item["tags"])}
            for item in inputs.get("tagSpecifications", [])
        ],
    }
    if "vpcSecurityGroupIds" in inputs:
        data["SecurityGroupIds"] = inputs["vpcSecurityGroupIds"]
    return data


def _capitalized(content: Map) -> Map:
    return {f"{key[0].upper()}{key[1:]}": _unquoted(value) for key, value in content.items()}


def _unquoted(value: Any) -> Any:
    # Pulumi's provider takes these two booleans as text.
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _tag_list(tags: dict[str, str]) -> list[Map]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
