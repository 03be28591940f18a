"""What the API answers, as models (design 3.1): its description is made of them, and tests hold answers to them.

A field without a default is always there; one with a default may be left out. Answers may have more fields.
"""
