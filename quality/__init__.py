"""What must be true of the data, and what happens to it when it is not."""
