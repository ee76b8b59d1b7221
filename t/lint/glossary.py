# SPDX-License-Identifier: GPL-3.0-or-later
"""Words that the glossary of HACKING replaces. t/lint/words applies the rule to
the tree, t/contract/test_statements.py to made-up texts. Only words that are
wrong in every sense are here."""

import re

REPLACED = re.compile(r"\b(whoever|somebody|everybody|herself|she|hers?)\b", re.I)
# The words of the tree, but not migrations of the time before the glossary.
PLACES = ("src/**/*", "sql/*.sql", "sql/migrations/*.sql", "doc/**/*", "man/*",
          "README", "HACKING")
LAST_BEFORE = 16


def is_before(name):
    """Whether `name` is of such a migration."""
    number = re.match(r"sql/migrations/(\d+)_", name)
    return bool(number) and int(number[1]) <= LAST_BEFORE


def replaced(name, text):
    """The words in a text, outside of the glossary itself."""
    text = re.sub(r"^WORDS\n.*?(?=^[A-Z ]+\n\n)",
                  lambda m: "\n" * m[0].count("\n"), text, flags=re.M | re.S)
    for number, line in enumerate(text.splitlines(), 1):
        for word in REPLACED.findall(line):
            yield f'{name}:{number}: the glossary has another word for "{word}"'
