# SPDX-License-Identifier: MIT
"""Whether README.md tells the truth about which entries show which rule.

Each row of its tables names a rule and, for each kind, patterns of `file/id`. Every pattern must be
that of an entry of the kind, every entry must be named by a row, and every rule of the protocol must
have a row or be listed as one that no bytes show.
"""

import re
from fnmatch import fnmatchcase

KINDS = ("exact", "accept", "reject")
HEADING = "## Which rules they show"
UNSHOWN = "No bytes alone can show"


def section(readme):
    return readme.split(HEADING, 1)[1].split("\n## ", 1)[0]


def rows(readme):
    """Yields (rule, {kind: patterns}) for each row of the tables."""
    for line in section(readme).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == 4 and cells[0] != "rule":
            yield cells[0], {kind: re.findall(r"`([^`]+)`", cell)
                             for kind, cell in zip(KINDS, cells[1:])}


def names_of(text):
    """The names of rules in a text, in which `H1 to H3` are three."""
    names = set()
    for family, first, last in re.findall(r"\b([A-Z])(\d+)\b(?:\s+to\s+\1(\d+))?", text):
        names |= {f"{family}{number}" for number in range(int(first), int(last or first) + 1)}
    return names


def rules_of(protocol):
    """The names of the protocol's rules."""
    return set(re.findall(r"\*\*([A-Z]\d+)\b", protocol))


def check(vectors, readme, protocol):
    """Yields a sentence for each fault."""
    left = {kind: {f"{name}/{entry['id']}" for name, entries in vectors.items()
                   for entry in entries if entry["kind"] == kind} for kind in KINDS}
    every = {kind: set(names) for kind, names in left.items()}
    named = set()
    for rule, patterns in rows(readme):
        named |= names_of(rule)
        if not any(patterns.values()):
            yield f"{rule}: the row names no entry"
        for kind in KINDS:
            for pattern in patterns[kind]:
                # Only `*` is special in a pattern.
                found = {name for name in every[kind]
                         if fnmatchcase(name, pattern.replace("[", "[[]"))}
                if not found:
                    yield f"{rule}: no entry of the kind {kind} is {pattern}"
                left[kind] -= found
    for kind in KINDS:
        for name in sorted(left[kind]):
            yield f"no row has the {kind} entry {name}"
    paragraph = next((text for text in section(readme).split("\n\n")
                      if text.startswith(UNSHOWN)), "")
    unshown = names_of(paragraph)
    rules = rules_of(protocol)
    for rule in sorted(rules - named - unshown):
        yield f"the rule {rule} of the protocol has no row"
    for rule in sorted((named | unshown) - rules):
        yield f"the protocol has no rule {rule}"
    for rule in sorted(named & unshown):
        yield f"the rule {rule} has a row, and is said to have none"
