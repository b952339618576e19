#!/usr/bin/env python3
"""Checks docs/source-systems.md against the tests.

Every row names at least one test whose display name begins with the row's id, or says in its second column why it has none (third column
empty). Every test that a row quotes exists. A quotation may end in an ellipsis; it then stands for the names that begin so.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
IDS = re.compile(r"\b([A-Z])-(\d+)(?:(?: to |\.\.|–)(?:[A-Z]-)?(\d+))?")


def tests():
    """Display names of Swift tests, and names and first lines of Python tests."""
    names = []
    for path in ROOT.glob("Tests/**/*.swift"):
        text = path.read_text()
        for match in re.finditer(r'@(?:Test|Suite)\(\s*((?:"(?:[^"\\]|\\.)*"\s*\+?\s*)+)', text):
            names.append("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', match.group(1))))
        names += re.findall(r"\b(?:func|struct|enum|class) (\w+)", text)
    for path in ROOT.glob("Tests/**/*.py"):
        names += re.findall(r'def (test_\w+)', path.read_text())
        names += re.findall(r'"""([A-Z]-\d\d.*?)(?:"""|\n)', path.read_text())
    return [name.replace('\\"', '"') for name in names]


def ids(text):
    found = set()
    for letter, first, last in IDS.findall(text):
        found |= {f"{letter}-{number:02}" for number in range(int(first), int(last or first) + 1)}
    return found


def main():
    names, complaints = tests(), []
    bare = [re.sub(r"^[A-Z]-\d+[^:]*: ", "", name) for name in names]
    named = set().union(*(ids(name.split(":")[0]) for name in names if ":" in name))
    for number, line in enumerate((ROOT / "docs/source-systems.md").read_text().splitlines(), 1):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) != 3 or not ids(cells[0].split(" ")[0]):
            continue
        if not cells[2]:
            if not cells[1]:
                complaints.append(f"{number}: {cells[0]}: neither a test nor a reason")
            continue
        for row in sorted(ids(cells[0]) - named):
            complaints.append(f"{number}: no test names {row}")
        for quoted in re.findall(r'"([^"]+)"', cells[2]):
            begin = re.sub(r"\s*(…|\.\.\.)$", "", quoted)
            if not any(name.startswith(begin) if begin != quoted else name == quoted for name in names + bare):
                complaints.append(f"{number}: there is no test \"{quoted}\"")
    print("\n".join(complaints) if complaints else "rows: every one has its test or its reason")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
