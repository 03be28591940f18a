"""A queue message becomes TaxJar transactions: gate, read, map, plan, act, settle.

The plan is made by :mod:`shared.filing`; here it is carried out."""
