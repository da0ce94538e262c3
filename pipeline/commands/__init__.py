"""What the commands of `tuoke` do. `pipeline.cli` imports each module when its command is asked for."""
