// Elements, figures, tables, forms. Every text becomes a text node: nothing is parsed as markup.

// h("p.note", {onclick: f}, "text", node, [more]); what is null or false is left out.
export function h(name, ...kids) {
  const [tag, ...classes] = name.split("."), drawn = tag === "svg" || tag === "rect";
  const element = document.createElementNS(`http://www.w3.org/${drawn ? "2000/svg" : "1999/xhtml"}`, tag);
  if (classes[0]) element.setAttribute("class", classes.join(" "));
  for (const [key, value] of Object.entries(kids[0]?.constructor === Object ? kids.shift() : {})) {
    if (/^on|^value$|^checked$/.test(key)) element[key] = value;
    else if (value != null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...kids.flat(4).filter((kid) => kid != null && kid !== false));
  return element;
}

export const button = (text, onclick, kind = "") => h("button", { type: "button", class: kind, onclick }, text);
export const quiet = (...text) => h("span.quiet", text);
export const sign = (text) => h("i", { "aria-hidden": "true" }, text);
export const link = (href, ...text) => h("a", { href }, text);

export const details = (entry, ...names) => names.map((name) => entry[name] &&
  h("details", h("summary", words(name)), h("pre", { tabindex: 0 }, JSON.stringify(entry[name], null, 1))));

const NAMES = { taxjar: "TaxJar", dynamics: "F&O", us: "US", usd: "USD", zip: "ZIP", id: "ID" };

export const words = (code) =>
  String(code ?? "").split("_").map((word) => NAMES[word] ?? word).join(" ").replace(/^./, (first) => first.toUpperCase());
export const number = (value) => (value == null ? "–" : Number(value).toLocaleString("en-US"));
export const many = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
export const sum = (rows, get) => rows.reduce((total, row) => total + (get(row) ?? 0), 0);

export const cents = (text) => Math.round(Number(text ?? 0) * 100);

export const money = (value) => (value == null ? "–"
  : ((typeof value === "number" ? value : cents(value)) / 100).toLocaleString("en-US", { style: "currency", currency: "USD" }));

const INSTANT = { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" };

// In the reader's own time; UTC on hovering.
export const when = (instant) =>
  h("time", { datetime: instant, title: instant }, instant ? new Date(instant).toLocaleString("en-US", INSTANT) : "never");
export const span = (s) =>
  (s < 7200 ? `${Math.round(s / 60)} min` : s < 172800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} days`);
export const age = (instant) => (instant ? span((Date.now() - new Date(instant)) / 1000) : "–");

const iso = (time) => new Date(time).toISOString().slice(0, 10);
export const addDays = (day, days) => iso(Date.parse(day) + days * 864e5);
export const spell = (day, options = { dateStyle: "medium" }) => new Date(day).toLocaleDateString("en-US", { timeZone: "UTC", ...options });

export function addMonths(month, step) {
  const [year, index] = month.split("-");
  return iso(Date.UTC(year, index - 1 + step)).slice(0, 7);
}
export const monthRange = (month) => [`${month}-01`, addDays(`${addMonths(month, 1)}-01`, -1)];

const MARKS = { reported: "✓", ok: "✓", skipped: "–", held: "‖", failed: "✕" };

export const badge = (state, text = words(state)) => h(`span.badge.${MARKS[state] ? state : "flight"}`, sign(MARKS[state] ?? "…"),
  ` ${text}`);
export const works = (ok, yes, no) => badge(ok ? "ok" : "failed", ok ? yes : no);

const KINDS = {
  $: money, "#": number, "±": (value) => h(cents(value) ? "b.failed" : "span.quiet", money(value)), "@": when, "~": age, w: words,
  s: (state) => state && badge(state), y: (value) => (value == null ? "–" : value ? "yes" : "no"), l: (list) => list?.join(", ") || "–",
  c: (text) => h("code", text), d: (day) => h("time", day ?? "–"),
};
export const REASON = "reason|textarea!";
export const DOLLARS = ["amount|$|Net", "sales_tax|$|Tax"];
export const SIDES = ["dynamics.amount|$|F&O net", "taxjar.amount|$|TaxJar net", "difference.amount|±|Difference",
  "dynamics.sales_tax|$|F&O tax", "taxjar.sales_tax|$|TaxJar tax", "difference.sales_tax|±|Difference"];

// "amount|$|Net": path in the row, kind, label. Or a list: label, cell(row), class, key(row) to sort by.
function column(spec) {
  if (typeof spec !== "string") return spec;
  const [path, kind = "", label = words(path)] = spec.split("|"), show = KINDS[kind] ?? ((value) => value ?? "–");
  const dig = (row) => path.split(".").reduce((value, key) => value?.[key], row), dollars = /[$±]/.test(kind);
  const key = (row) => (dollars ? cents(dig(row)) : dig(row) ?? ""), total = (rows) => /[$±#]/.test(kind)
    && (dollars ? money : number)(sum(rows, (row) => Number(key(row))));
  return [label, (row) => show(dig(row)), /[$±#~]/.test(kind) ? "num" : null, key, total];
}

export const facts = (specs, row) => h("dl", specs.filter(Boolean).map(column).map(([label, content]) => h("div", h("dt", label), h("dd", content(row)))));

// The first column heads the rows.
export function table(caption, specs, rows, { empty = "None.", sorts, totals } = {}) {
  const columns = specs.filter(Boolean).map(column), lead = columns[0][0] instanceof Node ? 1 : 0;
  const line = (row) => h("tr", columns.map(([, content, kind], index) =>
    h(index === lead ? "th" : "td", { scope: index === lead && "row", class: kind }, content(row))));
  const body = h("tbody", rows.map(line)), heads = columns.map(([label, , kind, key]) => {
    const sort = () => {
      const way = head.ariaSort === "descending" ? -1 : 1;
      heads.forEach((other) => (other.ariaSort = null));
      head.ariaSort = way > 0 ? "descending" : "ascending";
      body.replaceChildren(...[...rows].sort((a, b) => way * (key(a) < key(b) ? 1 : key(a) > key(b) ? -1 : 0)).map(line));
    };
    const head = h("th", { scope: "col", class: kind }, sorts && key ? button(label, sort, "sort") : label);
    return head;
  });
  return h("section", caption && h("h2", caption),
    rows.length ? h("div.scroll", { tabindex: 0, role: "group", "aria-label": caption || "Table" },
    h("table", h("thead", h("tr", heads)), body,
      totals && h("tfoot", h("tr",
        columns.map(([, , , , total], index) => h(index ? "td.num" : "td", index ? total?.(rows) : "All")))))) : h("p.quiet",
        empty));
}

export const bars = (kind, items) =>
  h(`ol.bars.${kind}`, items.map(({ size, label, text, kind: state, href }) => h("li", { class: state, title: text },
  h(href ? "a" : "span", { href }, h("svg", { viewBox: "0 0 9 30", preserveAspectRatio: "none", "aria-hidden": "true" },
    h("rect", { width: 9, y: 30 - (30 * size) / Math.max(1, ...items.map((each) => each.size)), height: 30 })), sign(label),
      h("span.hidden", text)))));

// "from|date!|From": name, type (! is required) or choices, label.
function field(values, spec) {
  const [name, kind = "", label = words(name)] = spec.split("|"), value = values[name] ?? "";
  if (/ /.test(kind)) {
    return h("label", label, h("select", { name },
      kind.split(" ").map((each) => h("option", { value: each, selected: each === value }, words(each)))));
  }
  const [type, required] = kind.split("!"), props = { name, type: type || "text", required: required != null };
  if (type === "checkbox") return h("label.check", h("input", { ...props, checked: !!value }), ` ${label}`);
  return h("label", label, h(type === "textarea" ? type : "input", { ...props, value, maxlength: 1000, autocomplete: "off" }));
}

export function form(kind, values, specs, submit, send, ...more) {
  const onsubmit = (event) => {
    event.preventDefault();
    const inputs = [...event.target.elements].filter(({ name }) => name);
    send(Object.fromEntries(inputs.map(({ name, type, checked, value }) => [name, type === "checkbox" ? checked : value.trim()])));
  };
  return h(`form.${kind}`, { onsubmit }, specs.filter(Boolean).map((spec) => field(values, spec)),
    h("div.bar", h("button.main", submit), more));
}

// A column of checkboxes that keeps what is chosen.
export function selection(chosen, name) {
  const box = (label, onchange) => h("input", { type: "checkbox", "aria-label": label, onchange });
  const all = ({ target }) => target.closest("table").querySelectorAll("tbody input").forEach((each) => each.checked !== target.checked
    && each.click());
  return [box("Select all", all), (row) => box(`Select ${row[name]}`, ({ target }) => chosen[target.checked ? "add" : "delete"](row))];
}
