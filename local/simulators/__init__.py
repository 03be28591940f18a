"""Stateful, strict stand-ins for the remote services, which can be told to fail the way real services do."""
