// Style and script of the report. The script draws what HtmlReport.cpp puts into `data`.
//
namespace nc {

extern const char *const kReportStyle, *const kReportScript;

const char *const kReportStyle = R"css(
:root { color-scheme: light dark; --ink: #1c2330; --soft: #667085; --line: #e3e7ee; --paper: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #98a2b3; --line: #2c3441; --paper: #11151c; } }
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: 0 0 .5rem; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(34rem, 100%), 1fr)); gap: 1.5rem 2rem; }
figure { margin: 0; break-inside: avoid; }
figcaption { font-weight: 600; } figcaption small, .read { color: var(--soft); font-weight: 400; }
.read { float: right; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; display: block; overflow: visible; }
svg text { fill: var(--soft); font-size: 11px; } .grid { stroke: var(--line); }
#legend span { margin-right: 1.2rem; white-space: nowrap; } i { display: inline-block; width: 1.4em; height: 3px; vertical-align: middle; margin-right: .4em; }
table { border-collapse: collapse; margin-top: 2rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .15rem .9rem; border-bottom: 1px solid var(--line); } th:first-child { text-align: left; }
)css";

const char *const kReportScript = R"js(
(() => { // names such as top are taken outside
const hues = ["#2f6fde", "#d9730d", "#2e9e5b", "#b4359b", "#8a6d1a", "#d1373d", "#0f9aa8", "#6b57d2"];
const W = 560, H = 230, left = 52, right = 12, top = 12, bottom = 26;
const number = v => v === 0 ? "0" : Math.abs(v) >= 1e5 || Math.abs(v) < 1e-3 ? v.toExponential(2) : String(+v.toPrecision(4));
function node(name, attributes, parent, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (text !== undefined) element.textContent = text;
  return parent.appendChild(element);
}
function html(name, parent, text) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  return parent.appendChild(element);
}
function ticks(low, high, count) {
  const raw = (high - low) / count, unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map(m => m * unit).find(s => s >= raw), list = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step * 1e-9; v += step) list.push(Math.abs(v) < step * 1e-9 ? 0 : v);
  return list;
}
// Ends that are equal, or as good as equal, get an extent.
function widened(low, high) {
  const size = Math.max(Math.abs(low), Math.abs(high)), margin = Math.max(.5, size * 1e-3);
  return high - low > Math.max(size * 1e-9, 1e-300) ? [low, high] : [low - margin, high + margin];
}
// Curves of one run share a hue, unless there is only one run: then each key has its own.
const hue = (curve, place) => hues[(data.runs.length > 1 ? curve.run : place) % hues.length];
function draw(chart) {
  const figure = html("figure", document.getElementById("charts")), caption = html("figcaption", figure, chart.title + " ");
  html("small", caption, chart.unit);
  const read = html("span", caption); read.className = "read";
  const all = chart.curves.flatMap(c => c.points), xs = all.map(p => p[0]);
  // Where a few values, as of the first steps, would press all others together, the scale leaves out the highest fiftieth.
  const ys = all.map(p => p[1]).sort((a, b) => a - b), most = ys[ys.length - 1 - Math.floor(ys.length / 50)];
  const highest = ys[ys.length - 1], [x0, x1] = widened(xs.reduce((a, b) => Math.min(a, b)), xs.reduce((a, b) => Math.max(a, b)));
  let [y0, y1] = widened(ys[0], highest - most > most - ys[0] ? most : highest);
  const margin = (y1 - y0) * .05; y0 -= margin; y1 += margin;
  const X = x => left + (x - x0) / (x1 - x0) * (W - left - right), Y = y => top + (y1 - Math.max(y0, Math.min(y1, y))) / (y1 - y0) * (H - top - bottom);
  const svg = node("svg", {viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": chart.title}, figure);
  for (const y of ticks(y0, y1, 5)) {
    node("line", {class: "grid", x1: left, x2: W - right, y1: Y(y), y2: Y(y)}, svg);
    node("text", {x: left - 6, y: Y(y) + 4, "text-anchor": "end"}, svg, number(y));
  }
  for (const x of ticks(x0, x1, 6)) node("text", {x: X(x), y: H - 8, "text-anchor": "middle"}, svg, number(x));
  chart.curves.forEach((curve, place) => {
    const validation = curve.key.startsWith("val_"), path = curve.points.map((p, i) => (i ? "L" : "M") + X(p[0]).toFixed(1) + " " + Y(p[1]).toFixed(1)).join("");
    node("path", {d: path, fill: "none", stroke: hue(curve, place), "stroke-width": validation ? 2.2 : 1.1, "stroke-opacity": validation || chart.curves.length === 1 ? 1 : .75}, svg);
    if (validation && curve.points.length < 60) for (const p of curve.points) node("circle", {cx: X(p[0]), cy: Y(p[1]), r: 2.5, fill: hue(curve, place)}, svg);
  });
  const line = node("line", {class: "grid", y1: top, y2: H - bottom, visibility: "hidden"}, svg);
  svg.addEventListener("pointermove", event => {
    const box = svg.getBoundingClientRect(), x = x0 + ((event.clientX - box.left) / box.width * W - left) / (W - left - right) * (x1 - x0);
    const nearest = chart.curves.map(c => c.points.reduce((a, b) => Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a));
    const at = nearest.reduce((a, b) => Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a)[0];
    line.setAttribute("x1", X(at)); line.setAttribute("x2", X(at)); line.setAttribute("visibility", "visible");
    read.textContent = "step " + at + "  " + chart.curves.map((c, i) => (data.runs.length > 1 ? data.runs[c.run] + " " : "") + c.key + " " + number(nearest[i][1])).join("  ");
  });
  svg.addEventListener("pointerleave", () => { line.setAttribute("visibility", "hidden"); read.textContent = ""; });
  if (data.runs.length === 1 && chart.curves.length > 1) {
    const keys = html("div", figure);
    chart.curves.forEach((c, i) => { const span = html("small", keys); html("i", span).style.background = hue(c, i); span.append(c.key + "   "); });
  }
}
if (data.runs.length > 1) data.runs.forEach((name, i) => {
  const span = html("span", document.getElementById("legend")); html("i", span).style.background = hues[i % hues.length]; span.append(name);
});
data.charts.forEach(draw);
const table = document.getElementById("table"), head = html("tr", table);
for (const title of ["last value", ...data.runs]) html("th", head, title);
for (const row of data.table) {
  const line = html("tr", table);
  html("th", line, row.key);
  for (const value of row.values) html("td", line, value === null ? "" : number(value));
}
document.documentElement.dataset.charts = data.charts.length;
})();
)js";

} // namespace nc
