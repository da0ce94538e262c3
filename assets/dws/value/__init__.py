"""What customers will buy: how often, for how much, how sure that is."""
