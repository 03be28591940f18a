"""The HTTP API, independent of the framework: one table of routes, and how a request is served by one of them."""
