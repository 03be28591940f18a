"""TaxJar's API v2 as far as the connector uses it: stateful, and as strict as the real one is known or feared to be."""

from local.simulators.taxjar.records import Account, StoredCustomer, StoredLine, StoredTransaction
from local.simulators.taxjar.simulator import TaxJarSimulator

__all__ = ["Account", "StoredCustomer", "StoredLine", "StoredTransaction", "TaxJarSimulator"]
