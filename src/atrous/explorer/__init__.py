"""The lecture as one page that a person can touch: static HTML, CSS and plain JavaScript, with a small local server."""
