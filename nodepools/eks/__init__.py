"""Nodes that EKS makes: managed groups, their AMI families and user data, and the cluster."""
