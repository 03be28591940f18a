"""Running the connector: pings, and messages that ended in a poison queue."""
