"""Figures with their bars: collected, printed as lines for programs and as a table for people."""

import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Figure:
    """`value` against `bar`: at least it where `relation` is `>=`, at most where it is `<=`."""

    #: What was measured: store, services, documents, merge, gossip.
    area: str
    name: str
    value: float
    unit: str
    relation: str
    bar: float
    #: What the reader of the table sees beside it: absolute values and spread.
    detail: str = ""

    @property
    def is_met(self):
        return self.value >= self.bar if self.relation == ">=" else self.value <= self.bar

    @property
    def line(self):
        return f"figure {self.area}.{self.name} {number(self.value)} {self.unit} bar {self.relation} {number(self.bar)} {'ok' if self.is_met else 'short'}"


def number(value):
    """Three significant digits, without an exponent."""
    if value == int(value):
        return str(int(value))
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def spread(values, unit=""):
    """Median with the range, as people write it."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.0f}{unit} [{low:,.0f}–{high:,.0f}]"


def table(figures):
    rows = [("figure", "value", "bar", "", "measured")]
    rows += [
        (figure.name, f"{number(figure.value)} {figure.unit}", f"{figure.relation} {number(figure.bar)}", "ok" if figure.is_met else "SHORT", figure.detail)
        for figure in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def markdown(area, figures, machine, moment, notes):
    lines = [
        f"# {area.capitalize()}", "", f"Measured {moment} on {machine} by `make bench-{area}`.", "",
        "| figure | value | bar | | measured |", "|---|---|---|---|---|",
    ]
    for figure in figures:
        lines.append(
            f"| {figure.name} | {number(figure.value)} {figure.unit} | {figure.relation} {number(figure.bar)} | "
            f"{'ok' if figure.is_met else '**short**'} | {figure.detail} |"
        )
    return "\n".join([*lines, "", *notes, ""])
