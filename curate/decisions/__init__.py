"""What was decided of each row, by whom and why: the ledger, the policy, and what both add up to."""
