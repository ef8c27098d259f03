# SPDX-License-Identifier: Apache-2.0
"""
How a report looks.

The colors of curves, alarms and labels are those of Okabe and Ito, which color-blind people can
tell apart (https://jfly.uni-koeln.de/color/); what they mean is also told by dashes, hatching and
words.
"""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1b1f23; --soft: #57606a; --rule: #d0d7de; --card: #f6f8fa;
  --a: #0072b2; --b: #b34700; --alarm: #d55e00; --fire: #e69f00; --nofire: #8c959f;
  --warn-ink: #7a2e00; --warn-paper: #fff1e5; --raised: #a33b00; --link: #0550ae;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --ink: #e6e9ec; --soft: #a3adb7; --rule: #3a424a; --card: #1d2226;
    --a: #56b4e9; --b: #f0a35e; --alarm: #e8733a; --fire: #f0e442; --nofire: #8c959f;
    --warn-ink: #ffcfa8; --warn-paper: #3a2413; --raised: #ff9c66; --link: #79b8ff;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1rem; max-width: 1080px; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif;
  overflow-wrap: anywhere;
}
h1, h2, h3, h4 { line-height: 1.25; margin: 1.5rem 0 .5rem; }
h1 { font-size: 1.5rem; margin-top: 0; }
h2 { font-size: 1.3rem; border-top: 1px solid var(--rule); padding-top: 1.25rem; }
h3 { font-size: 1.1rem; }
h4 { font-size: 1rem; }
p { margin: .25rem 0; }
a { color: var(--link); }
time, small, .kind, caption, figcaption { color: var(--soft); font-size: .85rem; }
.verdict { font-size: 1.4rem; font-weight: 600; }
.raised { color: var(--raised); }
.problems, .warning {
  background: var(--warn-paper); color: var(--warn-ink); border-left: 4px solid var(--alarm);
  padding: .5rem 1rem; margin: 1rem 0;
}
.problems h2 { border: 0; padding: 0; margin: 0; font-size: 1.1rem; }
.problems ul { margin: .25rem 0; padding-left: 1.25rem; }
.columns { display: grid; gap: 0 2rem; }
article, section { min-width: 0; }
@media (min-width: 800px) { .columns.of-2 { grid-template-columns: 1fr 1fr; } }

.scroll { overflow-x: auto; margin: .5rem 0 1rem; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .25rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0;
  border-bottom: 1px solid var(--rule); overflow-wrap: normal; }
thead th { color: var(--soft); font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 500; }
time { font-variant-numeric: tabular-nums; }
time span { display: inline-block; }
td time { display: block; white-space: nowrap; }
.of-2 td time { white-space: normal; }
.pairs { width: 100%; max-width: 44rem; }
.pairs thead { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); }
.pairs th { width: 1%; white-space: nowrap; color: var(--soft); }
.pairs td { overflow-wrap: anywhere; }
.pairs td time { display: inline; }
summary { cursor: pointer; }

figure { margin: 0; }
.chart { display: grid; grid-template-columns: 5.75rem minmax(0, 1fr); gap: 6px .5rem;
  font-size: .8rem; color: var(--soft); margin: 1.25rem 0 .5rem; }
.chart svg { display: block; width: 100%; overflow: visible; }
.plot, .levels, .times { position: relative; }
.plot > svg { height: 220px; }
.levels span, .times span, .level { position: absolute; line-height: 1; white-space: nowrap; }
.levels span { right: 0; transform: translateY(50%); }
.times { height: 1rem; }
.times span { transform: translateX(-50%); }
.lane-name { text-align: right; line-height: 1; }
.lane { height: 12px; background: var(--card); }
.level { padding: 0 2px; font-size: .75rem; }
.level::before { content: ''; position: absolute; inset: 0; z-index: -1;
  background: var(--paper); opacity: .8; }
.level { z-index: 1; }
.level.run0 { right: 0; }
.level.run1 { left: 0; }
.level.off { transform: translateY(100%); }
path { fill: none; vector-effect: non-scaling-stroke; }
.grid { stroke: var(--rule); stroke-width: 1px; }
.curve { stroke-width: 1.6px; stroke-linejoin: round; stroke-linecap: round; }
.curve.run0 { stroke: var(--a); }
.curve.run1 { stroke: var(--b); stroke-dasharray: 5 3; }
.threshold { stroke-width: 1px; stroke-dasharray: 2 3; }
.of-1 .threshold { stroke: var(--soft); }
.of-2 .threshold.run0 { stroke: var(--a); }
.of-2 .threshold.run1 { stroke: var(--b); }
.of-2 .level.run0 { color: var(--a); }
.of-2 .level.run1 { color: var(--b); }
.alarm { opacity: .2; }
.of-1 .alarm, .of-1 .solid { fill: var(--alarm); }
.of-2 .alarm.run0, .of-2 .solid.run0 { fill: var(--a); }
.of-2 .alarm.run1, .of-2 .solid.run1 { fill: var(--b); }
.is-fire { fill: var(--fire); }
.is-nofire { fill: var(--nofire); }
.rejected { fill: var(--ink); }
.legend { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap;
  gap: .1rem 1.25rem; }
.sample { width: 2rem; height: 10px; margin-right: .4rem; }
.box { display: inline-block; width: 2rem; height: 10px; margin-right: .4rem; }
.of-1 .box { background: var(--alarm); }
.of-2 .box.run0 { background: var(--a); }
.of-2 .box.run1 { background: var(--b); }
.box { opacity: .6; }

.images { display: grid; gap: 1rem; margin: .5rem 0;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 150px), 1fr)); }
.images img { display: block; width: 100%; max-width: 320px; height: auto;
  background: var(--card); }
.images figcaption { line-height: 1.35; margin-top: .25rem; }
.images strong { color: var(--ink); }
.images strong, .images figcaption > span { display: block; }
@media (max-width: 500px) {
  .minor { display: none; }
  .overview tbody th { overflow-wrap: anywhere; min-width: 7rem; }
  .pairs { table-layout: fixed; }
  .pairs th { width: 42%; white-space: normal; }
  th, td { padding-right: .5rem; }
  td time { white-space: normal; }
}
@media print { details { display: block; } }
"""
