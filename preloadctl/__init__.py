"""The command line tool: what a Pulumi program would register, without an engine or an account."""
