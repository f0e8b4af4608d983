"""Agreement: how far annotators say the same, who errs, and the label that their votes make."""
