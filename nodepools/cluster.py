"""Names out of ARNs: of the cluster and of the role that a pool is given."""

import pulumi


def last_part(name_or_arn: str) -> str:
    """The name at the end of an ARN; a name is returned as it is."""
    return name_or_arn.rpartition("/")[2]


def named(name_or_arn: pulumi.Input[str]) -> pulumi.Output[str]:
    """The same of a value that may be known only once something else is deployed."""
    return pulumi.Output.from_input(name_or_arn).apply(last_part)
