// Elements, figures, tables and forms. Every text becomes a text node: nothing that the API says is parsed as markup.

/** An element: h("p.note", {onclick: f}, "text", node, [more]). What is null or false is left out. */
export function h(name, ...kids) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElementNS(`http://www.w3.org/${/^(svg|rect)$/.test(tag) ? "2000/svg" : "1999/xhtml"}`, tag);
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

const NAMES = { taxjar: "TaxJar", dynamics: "F&O", us: "US", usd: "USD", zip: "ZIP", id: "ID" };

/** "address_incomplete" → "Address incomplete". */
export const words = (code) => String(code ?? "").split("_").map((word) => NAMES[word] ?? word).join(" ").replace(/^./, (c) => c.toUpperCase());
export const number = (value) => (value == null ? "–" : Number(value).toLocaleString("en-US"));
export const many = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
export const sum = (rows, get) => rows.reduce((total, row) => total + (get(row) ?? 0), 0);

/** Whole cents of a decimal string, exact. */
export function cents(text) {
  const [, sign, whole, part] = /^(-?)(\d*)\.?(\d*)/.exec(text ?? "0");
  return Number(`${sign}${whole}${part.padEnd(2, "0").slice(0, 2)}`);
}

/** A decimal string, or cents as a number, in dollars. */
export function money(value) {
  const all = typeof value === "number" ? value : cents(value);
  return value == null ? "–" : `${all < 0 ? "−" : ""}$${(Math.abs(all) / 100).toFixed(2).replace(/\B(?=(\d{3})+\.)/g, ",")}`;
}

const INSTANT = { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

/** An instant in the reader's own time; UTC on hovering. */
export const when = (instant) => (instant
  ? h("time", { datetime: instant, title: instant }, new Date(instant).toLocaleString("en-US", INSTANT)) : quiet("never"));

/** Seconds in the largest unit that fits, and how long ago an instant is. */
export const span = (s) => (s < 120 ? `${s} s` : s < 7200 ? `${Math.round(s / 60)} min` : s < 172800 ? `${Math.round(s / 3600)} h`
  : `${Math.round(s / 86400)} days`);
export const age = (instant) => (instant ? span(Math.max(0, Math.round((Date.now() - new Date(instant)) / 1000))) : "–");

export const iso = (time) => new Date(time).toISOString().slice(0, 10);
export const today = ({ company }) => company.today ?? iso(Date.now());
export const addDays = (day, days) => iso(Date.parse(day) + days * 864e5);
export const spell = (day, options) => new Date(day).toLocaleDateString("en-US", { timeZone: "UTC", ...options });

/** Of a month such as "2026-10": the one `step` later, and its first and last day. */
export function addMonths(month, step) {
  const [year, index] = month.split("-");
  return iso(Date.UTC(year, index - 1 + step)).slice(0, 7);
}
export const monthRange = (month) => [`${month}-01`, addDays(`${addMonths(month, 1)}-01`, -1)];

const MARKS = { reported: "✓", ok: "✓", skipped: "–", held: "‖", failed: "✕", bad: "✕" };

/** A state in colour, sign and word. */
export const badge = (state, text = words(state)) => h(`span.badge.${MARKS[state] ? state : "flight"}`,
  h("i", { "aria-hidden": "true" }, MARKS[state] ?? "…"), ` ${text}`);
export const works = (ok, yes, no) => badge(ok ? "ok" : "bad", ok ? yes : no);

const KINDS = {
  $: money, "#": number, "±": (value) => h(cents(value) ? "b.bad" : "span.quiet", money(value)), "@": when, "~": age, s: (state) => state && badge(state),
  w: words, y: (value) => (value == null ? "–" : value ? "yes" : "no"), l: (list) => list?.join(", ") || "–", c: (text) => h("code", text),
};
export const REASON = "reason|Reason|textarea!";
export const DOLLARS = ["Net|amount|$", "Tax|sales_tax|$"];
export const SIDES = ["F&O net|dynamics.amount|$", "TaxJar net|taxjar.amount|$", "Difference|difference.amount|±", "F&O tax|dynamics.sales_tax|$",
  "TaxJar tax|taxjar.sales_tax|$", "Difference|difference.sales_tax|±"];

/** "Net|amount|$": a label, a path in the row and a kind. Or as a list: label, cell(row), class, key(row) to sort by. */
function column(spec) {
  if (typeof spec !== "string") return spec;
  const [label, path, kind = "-"] = spec.split("|"), show = KINDS[kind] ?? ((value) => value ?? "–");
  const dig = (row) => path.split(".").reduce((value, key) => value?.[key], row), dollars = "$±".includes(kind);
  return [label, (row) => show(dig(row)), dollars || "#~".includes(kind) ? "num" : null, (row) => (dollars ? cents(dig(row)) : dig(row) ?? "")];
}

/** A table whose first column heads the rows. It scrolls by itself where it is too wide, also by keyboard. */
export function table(caption, specs, rows, { foot, empty = "None.", sorts } = {}) {
  const columns = specs.filter(Boolean).map(column), lead = columns[0][0] instanceof Node ? 1 : 0;
  const line = (row) => h("tr", columns.map(([, content, kind], index) =>
    h(index === lead ? "th" : "td", { scope: index === lead && "row", class: kind }, content(row))));
  const body = h("tbody", rows.map(line));
  const heads = columns.map(([label, , kind, key]) => {
    const inside = sorts && key ? button(label, () => sort(head, key), "sort") : label || h("span.hidden", "Action");
    const head = h("th", { scope: "col", class: kind }, inside);
    return head;
  });
  const sort = (head, key) => {
    const way = head.ariaSort === "descending" ? -1 : 1;
    heads.forEach((other) => (other.ariaSort = null));
    head.ariaSort = way > 0 ? "descending" : "ascending";
    body.replaceChildren(...[...rows].sort((a, b) => way * (key(a) < key(b) ? 1 : key(a) > key(b) ? -1 : 0)).map(line));
  };
  const title = caption && h("h2", caption);
  if (!rows.length) return h("section", title, h("p.quiet", empty));
  return h("section", title, h("div.scroll", { tabindex: 0, role: "region", "aria-label": caption },
    h("table", { "aria-label": caption }, h("thead", h("tr", heads)), body, foot && h("tfoot", h("tr", foot)))));
}

/** Columns side by side, one for each item: {size, label, text, kind, href}. */
export function bars(kind, items) {
  const most = Math.max(1, ...items.map(({ size }) => size));
  return h(`ol.bars.${kind}`, items.map(({ size, label, text, kind: sort, href }) => h("li", { class: sort, title: text },
    h(href ? "a" : "span", { href }, h("svg", { viewBox: "0 0 9 30", preserveAspectRatio: "none", "aria-hidden": "true" },
      h("rect", { width: 9, y: 30 - (30 * size) / most, height: 30 })), h("i", { "aria-hidden": "true" }, label), h("span.hidden", text)))));
}

/** "from|From|date!|hint": name, label, type (! is required). Or as a list: name, label, options. */
function field(values, spec) {
  const [name, label, kind = "text", hint] = Array.isArray(spec) ? spec : spec.split("|"), value = values[name] ?? "";
  if (Array.isArray(kind)) {
    return h("label", label, h("select", { name }, kind.map(([key, text]) => h("option", { value: key, selected: key === value }, text))));
  }
  const [type, required] = kind.split("!"), props = { name, type, required: required != null };
  if (type === "checkbox") return h("label.check", h("input", { ...props, checked: !!value }), ` ${label}`);
  return h("label", label, h(type === "textarea" ? type : "input", { ...props, value, maxlength: 1000, autocomplete: "off" }), hint && h("small", hint));
}

/** A form; `send` gets the values by name, checkboxes as true or false. */
export function form(kind, values, specs, submit, send, ...more) {
  const given = (input) => [input.name, input.type === "checkbox" ? input.checked : input.value.trim()];
  const onsubmit = (event) => {
    event.preventDefault();
    send(Object.fromEntries([...event.target.elements].filter((input) => input.name).map(given)), event.target);
  };
  return h(`form.${kind}`, { onsubmit }, specs.filter(Boolean).map((spec) => field(values, spec)),
    h("div.bar", h("button.main", { type: "submit" }, submit), more));
}

/** A column of checkboxes that keeps what is chosen; its head chooses all that are shown. */
export function selection(chosen, name) {
  const box = (label, onchange) => h("input", { type: "checkbox", "aria-label": label, onchange });
  const all = ({ target }) => target.closest("table").querySelectorAll("tbody input").forEach((each) => each.checked !== target.checked && each.click());
  return [box("Select all", all), (row) => box(`Select ${name(row)}`, ({ target }) => chosen[target.checked ? "add" : "delete"](row))];
}
