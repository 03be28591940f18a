"""What is proved about the audit, and how: pure rules that the app and an auditor's machine share (design 4.8)."""
