"""Exempt customers reach TaxJar: all of them on a schedule, and each before the documents that need it."""
