"""How an answer is written: the traits of its form that a source, a person or a month may have and the rest not."""

from __future__ import annotations

TRAITS = {
    "thinks in tags": r"(?i)<(?:think|thinking|reasoning|scratchpad)>",
    "ends with '####'": r"(?m)^#### ?\S[^\n]*\s*$",
    "has a boxed answer": r"\\boxed\{",
    "says 'Final answer:'": r"(?i)\bfinal answer\s*(?:is|:)",
    "opens with 'Answer:'": r"(?i)^\s*(?:answer|response|output|assistant)\s*[:：]",
    "is JSON": r'^\s*(?:\{\s*"|\[\s*[\[{"])',
    "is JSON in a fence": r"^\s*```(?:json|JSON)?\s*\n\s*[\[{]",
    "is XML or HTML": r"^\s*<[A-Za-z][\w-]*(?:\s[^<>]*)?>[^<]*",
    "has Markdown headings": r"(?m)^#{1,6} \S",
    "has bold type": r"\*\*[^*\n]{2,80}\*\*",
    "has bullets": r"(?m)^\s{0,4}[-*•] \S[^\n]*\n+\s{0,4}[-*•] \S",
    "has numbered lists": r"(?m)^\s{0,4}1[.)] \S",
    "has a table": r"(?m)^\s*\|(?:[^|\n]*\|){2,}\s*$",
    "has LaTeX": r"\\(?:frac|begin|sum|int|left|mathbb|text|sqrt|cdot|times)\b|\$\$[^$]+\$\$|\\\(|\\\[",
    "has calculator notes": r"<<[^<>\n]{1,80}>>",
    "has emoji": r"[\x{1F300}-\x{1FAFF}]",
    "opens with 'Sure' or 'Certainly'": r"(?i)^\s*(?:sure|certainly|of course|absolutely|great question)\b",
    "offers more help at its end": r"(?i)(?:let me know if|hope (?:this|that) helps|feel free to|anything else)[^\n]{0,80}\s*$",
    "is in lower case": r"^[^\p{Lu}]*\p{Ll}[^\p{Lu}]{19,}$",
    "is a single line without an end": r"^[^\n.!?。！？]*[\p{L}\p{N}]\s*$",
}
"""What an answer does, in words, and the pattern by which it is seen."""
