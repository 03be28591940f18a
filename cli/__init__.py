"""``connector``: the operator's command line. It speaks the app's HTTP API and has no logic of its own."""
