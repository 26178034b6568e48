// What moves on the page: charts drawn when they come into view, tables filled when opened, downloads, the theme.
// The data are in <script type="application/json"> elements: constants, chart-NAME and table-NAME.
(() => {
  "use strict";

  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const parsed = (id) => JSON.parse(document.getElementById(id).textContent);
  const constants = parsed("constants");

  /** An element with attributes (or properties, for functions) and children. */
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes))
      if (typeof value === "function") element[name] = value;
      else element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  function save(name, type, text) {
    const url = URL.createObjectURL(new Blob([text], { type }));
    make("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }

  // Numbers: as report::shown has them.

  function digits(number) {
    const size = Math.abs(number);
    if (size >= 1e7 || size < 1e-3) return number.toPrecision(3);
    if (size >= 100) return number.toFixed(0);
    return number.toPrecision(3);
  }

  function shown(value, unit) {
    if (value === null) return "-";
    if (typeof value !== "number") return String(value);
    if (value === 0) return "0";
    const steps = constants.units[unit];
    const [size, name] = steps.findLast(([from]) => Math.abs(value) >= from * 0.9995) || steps[0];
    const number = value / size;
    if (name === "x") return number.toFixed(Math.abs(number - 1) < 0.1 ? 3 : 2) + name;
    if (name === " %") return number.toFixed(Math.abs(number) < 10 ? 1 : 0) + name;
    if (Number.isInteger(number) && size === 1 && (steps.length === 1 || number < 1e4)) return number + name;
    return digits(number) + name;
  }

  // Tables.

  /** A table with its cells expanded: columns[i].cells[row]. */
  function tableOf(name) {
    const table = parsed("table-" + name);
    for (const column of table.columns)
      if (column.cells.words) column.cells = column.cells.at.map((i) => (i === null ? null : column.cells.words[i]));
    return table;
  }

  function csvOf(table) {
    const columns = table.columns.filter((column) => column.key).flatMap((c) => (c.low ? [c, c.low, c.high] : [c]));
    const field = (value) => {
      const text = value === null ? "" : String(value);
      return /[",\r\n]|^\s|\s$/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
    };
    const lines = [columns.map((column) => field(column.key))];
    for (let row = 0; row < table.rows; ++row) lines.push(columns.map((column) => field(column.cells[row])));
    return lines.map((line) => line.join(",") + "\n").join("");
  }

  function compare(a, b) {
    if (a === null || b === null) return (a === null) - (b === null);
    return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  }

  function fill(details) {
    if (details.dataset.filled) return;
    details.dataset.filled = "1";
    const table = tableOf(details.dataset.table);
    const columns = table.columns.filter((column) => column.heading);
    const kind = (column) => (column.cells.some((cell) => typeof cell === "number") ? "number" : "text");
    const body = make("tbody");
    const show = (order) =>
      body.replaceChildren(
        ...order.map((row) =>
          make("tr", {}, ...columns.map((c) => make("td", { class: kind(c) }, shown(c.cells[row], c.unit))))));
    const inOrder = [...Array(table.rows).keys()];
    const heads = columns.map((column) => {
      const head = make("th", { scope: "col", class: kind(column), "aria-sort": "none" });
      const sort = () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach((other) => other.setAttribute("aria-sort", "none"));
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const { cells } = column;
        show(inOrder.toSorted((a, b) => (up || cells[a] === null || cells[b] === null ? 1 : -1) * compare(cells[a], cells[b])));
      };
      head.append(make("button", { type: "button", onclick: sort }, column.heading));
      return head;
    });
    show(inOrder);
    const grid = make("table", {}, make("thead", {}, make("tr", {}, ...heads)), body);
    details.append(make("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "table" }, grid));
  }

  // Charts.

  const wantsDark = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => document.documentElement.dataset.theme || (wantsDark.matches ? "dark" : "light");
  const charts = [];

  const symbols = ["M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0", "M-4.5-4.5h9v9h-9z", "M0-5.5L5.5 4.5h-11z", "M0-6L5 0L0 6L-5 0z",
    "M-2-6h4v4h4v4h-4v4h-4v-4h-4v-4h4z", "M0 5.5L5.5-4.5h-11z", "M5.5 0L-4.5 5.5v-11z"];  // as Vega names its first seven

  /** What a line looks like in its chart: colour, symbol, dashes; later styles have hollow symbols and pale bars. */
  function swatch(mark, colourAt, styleAt) {
    const { category } = constants.themes[theme()].range;
    const colour = category[colourAt % category.length];
    const dashes = constants.dashes[styleAt % constants.dashes.length].join(" ");
    const line = `<path d="M-17 0H17" stroke="${colour}" stroke-width="2" stroke-dasharray="${dashes}"/>`;
    const symbol = `<path d="${symbols[colourAt % symbols.length]}" stroke="${colour}" stroke-width="1.5"
      fill="${styleAt ? "var(--soft)" : colour}"/>`;
    const bar = `<path d="M-10-6h20v12h-20z" fill="${colour}" opacity="${styleAt ? 0.5 : 1}"/>`;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [name, value] of Object.entries({ width: 34, height: 14, viewBox: "-17 -7 34 14", "aria-hidden": "true" }))
      svg.setAttribute(name, value);
    svg.innerHTML = { line: line + symbol, points: symbol, bars: bar }[mark];
    return svg;
  }

  function rowsOf(chart) {
    const { notes, lines } = chart.data;
    const number = (value) => String(Number(value.toPrecision(4)));
    const unit = chart.y.unit && (chart.y.unit === "x" ? "x" : " " + chart.y.unit);
    const rows = [];
    for (const line of lines)
      line.x.forEach((x, i) => {
        const [y, note] = [line.y[i], notes[line.note[i]]];
        const low = line.low ? line.low[i] : null, high = line.high ? line.high[i] : null;
        const range = low === null || high === null ? "" : ` (${number(low)}..${number(high)})`;
        rows.push({ id: rows.length, line: line.label, colour: line.colour, style: line.style,
          row: line.row, panel: line.panel, band: line.band, x, y, low, high,
          shown: y === null ? "missing: " + note : number(y) + unit + range, note: y === null ? "" : note,
          symbol: i % line.step === 0 });
      });
    return rows;
  }

  class Chart {
    constructor(figure) {
      this.figure = figure;
      this.name = figure.dataset.chart;
      this.chart = parsed("chart-" + this.name);
      this.rows = rowsOf(this.chart);
      this.hidden = new Set();
      this.picked = -1;
      this.legend = make("div", { class: "legend", role: "group", "aria-label": "lines" });
      this.canvas = make("div", { class: "canvas", tabindex: "0", role: "group",
        "aria-label": this.chart.title + ": arrow keys go from point to point", onkeydown: (event) => this.key(event) });
      this.readout = make("p", { class: "readout", "aria-live": "polite" });
      const tool = (text, label, act) => make("button", { type: "button", "aria-label": label, title: label, onclick: act }, text);
      const tools = make("div", { class: "tools" });
      if (this.chart.mark !== "bars" && this.chart.mark !== "heatmap")
        tools.append(tool("+", "zoom in", () => this.zoom(0.5)), tool("−", "zoom out", () => this.zoom(2)),
          tool("reset", "whole chart", () => this.draw()));
      tools.append(tool("SVG", "save as a picture", () => this.picture()));
      figure.append(this.legend, this.canvas, this.readout, tools);
    }

    /** The cells of a heatmap have a size of their own. */
    spec({ title, ...size }) {
      const own = this.chart.mark === "heatmap" ? {} : size;
      return { ...this.chart.spec, ...(title && { title }), ...own, data: { name: "points", values: this.rows } };
    }

    async draw() {
      const spec = this.spec({ width: "container", height: 320, autosize: { type: "fit-x", contains: "padding" } });
      const text = (value, clean) => "<table>" + Object.entries(value).filter(([, cell]) => cell !== "")
        .map(([key, cell]) => `<tr><td class="key">${clean(key)}</td><td class="value">${clean(String(cell))}</td></tr>`)
        .join("") + "</table>";
      const result = await window.vegaEmbed(this.canvas, spec, { actions: false, renderer: "canvas",
        config: constants.themes[theme()], tooltip: { theme: theme(), formatTooltip: text } });
      if (this.view) this.view.finalize();
      this.view = result.view;
      this.view.addEventListener("pointermove", (event, item) => {
        if (item && item.datum && item.datum.id !== undefined) this.pick(item.datum.id);
      });
      this.drawLegend();
      await this.view.signal("hidden", [...this.hidden]).signal("picked", this.picked).runAsync();
      this.figure.dataset.drawn = theme();
    }

    drawLegend() {
      const { mark, data, colours, styles, colour_title: title } = this.chart;
      if (mark === "heatmap") return;  // its rows are named beside their cells
      const focused = this.legend.contains(document.activeElement) ? document.activeElement.dataset.line : undefined;
      const buttons = data.lines.map((line) => {
        const picture = swatch(mark, colours.indexOf(line.colour), styles.indexOf(line.style));
        const out = this.hidden.has(line.label);
        return make("button", { type: "button", "aria-pressed": String(!out), "data-line": line.label,
          onclick: () => this.toggle(line.label) }, picture, make("span", { class: "off-when-out" }, line.label));
      });
      this.legend.replaceChildren(...(title ? [make("span", {}, title + ":")] : []), ...buttons);
      buttons.find((button) => button.dataset.line === focused)?.focus();
    }

    async toggle(label) {
      if (!this.hidden.delete(label)) this.hidden.add(label);
      this.drawLegend();
      await this.view.signal("hidden", [...this.hidden]).runAsync();
    }

    pick(id) {
      if (id === this.picked) return;
      this.picked = id;
      const row = this.rows[id];
      this.readout.textContent = [row.line, `${this.chart.x.title} ${row.x}`, row.shown, row.note].filter(Boolean).join(" · ");
      this.view.signal("picked", id).runAsync();
    }

    key(event) {
      const step = { ArrowRight: 1, ArrowLeft: -1, ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity }[event.key];
      if (!step || !this.view) return;
      event.preventDefault();
      const rows = this.rows.filter((row) => !this.hidden.has(row.line));
      const lines = [...new Set(rows.map((row) => row.line))];
      const now = this.rows[this.picked];
      if (!rows.length) return;
      if (!now || this.hidden.has(now.line)) return this.pick(rows[0].id);
      const sideways = event.key !== "ArrowUp" && event.key !== "ArrowDown";
      const line = sideways ? now.line : lines[(lines.indexOf(now.line) + step + lines.length) % lines.length];
      const points = rows.filter((row) => row.line === line);
      const nearest = points.reduce((best, row) => (Math.abs(row.x - now.x) < Math.abs(best.x - now.x) ? row : best));
      const at = sideways ? points.indexOf(now) + step : points.indexOf(nearest);
      this.pick(points[Math.max(0, Math.min(points.length - 1, at))].id);
    }

    zoom(factor) {
      const scale = this.view.scale("x");
      const [from, to] = scale.range();
      const middle = (from + to) / 2, half = ((to - from) / 2) * factor;
      const x = [scale.invert(middle - half), scale.invert(middle + half)];
      this.view.signal("zoom_x", x).signal("zoom_y", this.view.scale("y").domain()).runAsync();
    }

    /** On its own the chart has its title and legends, which are otherwise the page's. */
    async picture() {
      const legend = (scale) => ({ title: (scale.field === "colour" && this.chart.colour_title) || null });
      const spec = JSON.parse(JSON.stringify(this.spec({ title: this.chart.title, width: 640, height: 360 }), (key, value) =>
        value?.legend === null && value.scale.domain.length > 1 ? { ...value, legend: legend(value) } : value));
      const { view } = await window.vegaEmbed(document.createElement("div"), spec,
        { actions: false, config: constants.themes[theme()] });
      await view.signal("hidden", [...this.hidden]).runAsync();
      save(this.name + ".svg", "image/svg+xml", await view.toSVG());
      view.finalize();
    }
  }

  function drawWhenSeen() {
    const seen = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        seen.unobserve(target);
        const chart = new Chart(target);
        charts.push(chart);
        chart.draw();
      }
    }, { rootMargin: "300px" });
    all("figure.chart").forEach((figure) => seen.observe(figure));
  }

  // The page's own switches.

  function keep(value) {
    try {
      localStorage.setItem("theme", value);
    } catch { /* a file opened from disk may have no storage */ }
  }

  function kept() {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null;
    }
  }

  function switchTheme() {
    document.documentElement.dataset.theme = theme() === "dark" ? "light" : "dark";
    keep(theme());
    charts.forEach((chart) => chart.draw());
  }

  function filterClaims(button) {
    const pressed = button.getAttribute("aria-pressed") !== "true";
    all(".filter button").forEach((other) => other.setAttribute("aria-pressed", String(pressed && other === button)));
    for (const claim of all(".claims tbody"))
      claim.hidden = pressed && !claim.querySelector(`[data-standing="${button.dataset.standing}"]`);
  }

  if (kept()) document.documentElement.dataset.theme = kept();
  document.getElementById("theme").onclick = switchTheme;
  wantsDark.addEventListener("change", () => charts.forEach((chart) => chart.draw()));
  all(".filter button").forEach((button) => { button.onclick = () => filterClaims(button); });
  all("details.data").forEach((details) => {
    details.ontoggle = () => details.open && fill(details);
    if (details.open) fill(details);
  });
  all("button.csv").forEach((button) => {
    button.onclick = () => save(button.dataset.table + ".csv", "text/csv", csvOf(tableOf(button.dataset.table)));
  });
  drawWhenSeen();
  document.documentElement.dataset.ready = "1";
})();
