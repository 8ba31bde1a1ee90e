// Plots as SVG: bars with their quartiles, and lines over a logarithmic axis. One file each, readable on light and
// dark pages.

const STYLE = `<style>text{font:12px system-ui,sans-serif;fill:#57606a}.title{font-weight:600;font-size:14px}.axis{stroke:#8c959f;stroke-width:1}.grid{stroke:#8c959f;stroke-opacity:.25}.range{stroke:#57606a;stroke-width:1.5}
.c0{fill:#0969da;stroke:#0969da}.c1{fill:#bc4c00;stroke:#bc4c00}.c2{fill:#1a7f37;stroke:#1a7f37}.line{fill:none;stroke-width:2}
@media (prefers-color-scheme:dark){text{fill:#9198a1}.range{stroke:#9198a1}}</style>`;

const escape = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const text = (x, y, content, attributes = "") => `<text x="${x}" y="${y}" ${attributes}>${escape(content)}</text>`;
const line = (x1, y1, x2, y2, kind) => `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" class="${kind}"/>`;
const document = (width, height, title, parts) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escape(title)}">${STYLE}${text(12, 22, title, 'class="title"')}\n${parts.join("\n")}\n</svg>\n`;
const round = (value) => Math.round(value * 10) / 10;

/** Horizontal bars: `{ label, median, low, high }`, with a line at `reference`. */
export function bars(title, rows, { reference = 1, unit = "" } = {}) {
  const [left, right, top, step] = [280, 70, 40, 26];
  const width = 760;
  const max = Math.max(reference * 1.2, ...rows.map((row) => row.high));
  const x = (value) => round(left + (value / max) * (width - left - right));
  const bottom = top + rows.length * step;
  const parts = rows.flatMap((row, at) => {
    const y = top + at * step;
    const middle = y + step / 2;
    return [
      text(left - 8, middle + 4, row.label, 'text-anchor="end"'),
      `<rect x="${left}" y="${y + 5}" width="${round(x(row.median) - left)}" height="${step - 10}" class="${row.median <= reference ? "c2" : "c1"}" fill-opacity=".75"/>`,
      line(x(row.low), middle, x(row.high), middle, "range"),
      text(x(row.high) + 8, middle + 4, `${row.median.toFixed(2)}${unit}`),
    ];
  });
  parts.push(line(x(reference), top - 6, x(reference), bottom, "axis"), text(x(reference), bottom + 16, `${reference} = as much as the peer`, 'text-anchor="middle"'));
  return document(width, bottom + 28, title, parts);
}

const DASHES = ["none", "7 4", "2 4"];

/** Lines over two logarithmic axes: `series` is `[{ label, color, dash, points: [[x, y]] }]`, `color` and `dash` are numbers. */
export function lines(title, series, { xLabel }) {
  const [width, height, left, right, top, bottom] = [760, 400, 70, 210, 44, 48];
  const all = series.flatMap(({ points }) => points);
  const range = (values) => [Math.floor(Math.log10(Math.min(...values))), Math.ceil(Math.log10(Math.max(...values)))];
  const [xMin, xMax] = range(all.map(([x]) => x));
  const [yMin, yMax] = range(all.map(([, y]) => y));
  const x = (value) => round(left + ((Math.log10(value) - xMin) / Math.max(1, xMax - xMin)) * (width - left - right));
  const y = (value) => round(height - bottom - ((Math.log10(value) - yMin) / Math.max(1, yMax - yMin)) * (height - top - bottom));
  const parts = [];
  for (let power = xMin; power <= xMax; power++) parts.push(text(x(10 ** power), height - bottom + 18, (10 ** power).toLocaleString("en-US"), 'text-anchor="middle"'));
  for (let power = yMin; power <= yMax; power++) {
    parts.push(line(left, y(10 ** power), width - right, y(10 ** power), "grid"), text(left - 8, y(10 ** power) + 4, (10 ** power).toLocaleString("en-US"), 'text-anchor="end"'));
  }
  parts.push(line(left, height - bottom, width - right, height - bottom, "axis"), text((left + width - right) / 2, height - 8, xLabel, 'text-anchor="middle"'));
  series.forEach(({ label, color, dash, points }, at) => {
    const path = points.map(([px, py]) => `${x(px)},${y(py)}`).join(" ");
    const stroke = `class="line c${color}" style="fill:none;stroke-dasharray:${DASHES[dash]}"`;
    const key = top + at * 20 + 6;
    parts.push(`<polyline points="${path}" ${stroke}/>`, `<polyline points="${width - right + 12},${key} ${width - right + 44},${key}" ${stroke}/>`, text(width - right + 52, key + 4, label));
    for (const [px, py] of points) parts.push(`<circle cx="${x(px)}" cy="${y(py)}" r="3" class="c${color}"/>`);
  });
  return document(width, height, title, parts);
}
