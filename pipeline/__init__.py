"""How Tuoke runs: sources in, engine, lake, warehouse out."""
