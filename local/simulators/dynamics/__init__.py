"""A simulated Dynamics 365 Finance & Operations: OData reads, posting of documents, business events."""
