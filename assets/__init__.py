"""What is built: a folder per layer, one module per table that Python computes."""
