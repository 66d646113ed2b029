"""Networks as values: layers that know their own rules, the graph they form, and passes that rewrite it."""
