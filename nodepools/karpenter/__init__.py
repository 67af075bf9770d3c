"""Nodes that Karpenter makes."""
