"""The report on a load run as one page for a person who decides: the verdict, what it means, the pictures.

The page asks nobody for anything: pictures are inline, there is no script, and it prints.
"""

from collections.abc import Sequence
from html import escape

from loadtests.generator import breath_of
from loadtests.measures import peak_per_second
from loadtests.plots import Plots
from loadtests.record import Record
from loadtests.scenarios import Scenario
from loadtests.verdict import GENERATOR, Finding, passed

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1b2a41; max-width: 54rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.verdict { padding: .8rem 1rem; border-left: .4rem solid; font-size: 1.1rem; }
.good { border-color: #1f6f54; background: #eaf5f0; } .bad { border-color: #b3261e; background: #fbecea; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem; vertical-align: top; }
tr { border-bottom: 1px solid #d9dee6; } td.bad { font-weight: 700; color: #b3261e; background: none; }
svg { width: 100%; height: auto; } figure { margin: 1rem 0; } .quiet { color: #5b6679; }
@media print { figure { break-inside: avoid; } }
"""
_CAPTIONS = (
    "When people and robots came.",
    "How many waited and how many were inside, as the public board said.",
    "Everybody let in. The curve may never rise more steeply than the dashed line, which is the pace.",
    "How long the booking system took to answer those inside, measured at the visitor.",
    "Answers of the booking system that failed, or never came.",
    "How long each kind of visitor waited. A box holds the middle half.",
)
_WORDS = {True: "met", False: "missed", None: ""}


def _sentences(scenario: Scenario, findings: Sequence[Finding], record: Record) -> list[str]:
    """The run in plain words."""
    measured = {finding.name: finding.measured for finding in findings}
    most = max((board.waiting for board in record.boards), default=0)
    said = [
        f"{measured['arrived']} visitors came in {scenario.minutes:g} min; at most {most} waited at once.",
        f"{measured['admitted']} were let in and {measured['booked']} booked; half of those let in waited "
        f"no longer than {measured['median time to be let in']}.",
    ]
    if any(finding.name == GENERATOR and finding.passed is False for finding in findings):
        said.append(
            "The machine that played the visitors could not keep up. The figures say more about that machine than "
            "about the service: repeat the run with more workers or fewer visitors."
        )
    return said


def _rows(findings: Sequence[Finding]) -> str:
    rows = []
    for finding in findings:
        kind = "bad" if finding.passed is False else ""
        rows.append(
            f'<tr><th scope="row">{escape(finding.name)}</th><td>{escape(finding.measured)}</td>'
            f'<td>{escape(finding.wanted)}</td><td class="{kind}">{_WORDS[finding.passed]}</td></tr>'
        )
    return "\n".join(rows)


def report_page(scenario: Scenario, findings: Sequence[Finding], record: Record) -> str:
    """The whole page."""
    good = passed(findings)
    missed = [finding.name for finding in findings if finding.passed is False]
    word = "Every objective was met." if good else "Missed: " + "; ".join(missed) + "."
    pictures = zip(Plots(record).all(), _CAPTIONS, strict=True)
    figures = "\n".join(f"<figure>{svg}<figcaption>{caption}</figcaption></figure>" for svg, caption in pictures)
    wrong = "".join(
        f"<li>{escape(kind)}: {count} ({escape(record.examples.get(kind, '')[:120])})</li>"
        for kind, count in sorted(record.wrong.items(), key=lambda item: -item[1])
    )
    breath = breath_of(record.generators, peak_per_second(record))
    sentences = "".join(f"<p>{escape(each)}</p>" for each in _sentences(scenario, findings, record))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Load run: {escape(scenario.name)}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Load run: {escape(scenario.name)}</h1>
<p class="quiet">{escape(scenario.title)}</p>
<p class="verdict {"good" if good else "bad"}"><strong>{"Passed" if good else "Not passed"}.</strong> {escape(word)}</p>
{sentences}
<h2>What was to be shown</h2>
<table>
<thead><tr>
<th scope="col">objective</th><th scope="col">measured</th><th scope="col">wanted</th><th scope="col">result</th>
</tr></thead>
<tbody>
{_rows(findings)}
</tbody>
</table>
<h2>How it went</h2>
{figures}
<h2>The generator</h2>
<p>{escape(breath.shown)}. A run whose generator was the bottleneck is not a pass.</p>
{f"<h2>Wrong answers</h2><ul>{wrong}</ul>" if wrong else ""}
</main>
</body>
</html>
"""
