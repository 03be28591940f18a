"""Dynamics 365 Finance & Operations to TaxJar: the application package."""
