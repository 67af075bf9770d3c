"""What the agent tells: lines, metrics, health."""
