// Documents: lists, one in full, and what a person decides.
import {
  DOLLARS, REASON, badge, button, cents, details, facts, form, h, link, many, money, number, quiet, selection, table, when, words, works,
} from "./kit.js";

const WAITING = "held,failed";
const FILTERS = ["state|held,failed held failed in_flight skipped reported all", "reason||Cause (code)", "number", "customer", "to_state",
  "from|date", "to|date", "order|oldest newest", "late|checkbox"];

export const linkTo = (ctx) =>
  ["Document", ({ transaction_id: id, number: shown = id, voucher }) => link(ctx.to("document", { voucher }, id), shown)];

export async function todo(ctx) {
  const { at, company, connection, to, status } = ctx, query = { state: WAITING, order: "oldest", ...ctx.query };
  const sent = { ...query, state: query.state.replace("all", "") }, filter = { ...sent, after: "" };
  const page = await ctx.get(`documents/${at}`, sent), { documents: rows, count, at_least: more } = page;
  const operator = ctx.may("operator"), chosen = new Set();
  const open = company.open_work.filter((row) => WAITING.includes(row.state)), cause = ({ state, reason, text }) =>
    link(to("todo", { state, reason }), text ?? words(reason ?? state));
  const steps = status.next_steps.filter((step) =>
    (step.connection ?? connection.name) === connection.name && (step.company ?? company.id) === company.id);
  return [h("h1", "To do"), h("ul", steps.map((step) => h("li", cause(step)))),
    table("By cause", [["Cause", cause, null, (row) => row.reason], "state|s", "count|#|Documents", ...DOLLARS, "oldest|~|For"], open,
      { sorts: true, totals: true, empty: "Nothing waits for a person." }),
    h("details", h("summary", "Filter and find"),
      form("row", query, FILTERS, "Show", (values) => (location.hash = to("todo", values)), link(to("todo"), "Reset"))),
    h("h2", more && "at least ", many(count, "document"), rows.length < count && quiet(`, ${rows.length} on this page`)),
    operator && h("div.bar", buttons(ctx, ["retry", "settle", "note", "assign"], () => [...chosen]),
      count > 0 && !more && button(`Retry all ${number(count)}…`, () => retryAll(ctx, filter, rows, count))),
    table("", [operator && selection(chosen, "number"), linkTo(ctx), "state|s",
      ["Cause", (row) => [h("b", words(row.reason)), row.late && h("span.tag", "late"), h("div", row.message)]], "date|d", "customer",
        "to_states|l|To", ...DOLLARS, "since|~|For", "assignee"], rows, { sorts: true }),
    ctx.more(page), ctx.file("csv", `documents/${at}`, filter)];
}

// Least role, meaning.
const DECISIONS = {
  retry: ["operator", "Read from F&O and mapped anew. What was filed is not changed without approval."],
  approve: ["approver", "The proposal is sent to TaxJar, dated today. What was filed is reversed, not overwritten."],
  dismiss: ["approver", "What TaxJar holds is kept. The change is not sent."],
  settle: ["approver", "It was handled outside the connector."],
  note: ["operator", "The state stays."], assign: ["operator", "The state stays."],
};

const buttons = (ctx, names, chosen) => names.map((name) => (ctx.may(DECISIONS[name][0])
  ? button(`${words(name)}…`, () => decide(ctx, name, chosen()),
    name === "approve" && "main") : quiet(`${words(name)}: for ${DECISIONS[name][0]}s`)));

async function decide(ctx, name, chosen) {
  const [first, second] = chosen, called = first && (first.number ?? first.transaction_id), what = words(name);
  const title = second ? `${what} ${many(chosen.length, "document")}` : `${what} ${called ?? "nothing: select documents first"}`;
  await ctx.ask(title, {
    text: h("p", DECISIONS[name][1]), label: what, typed: name === "approve" && called, values: { to: first?.assignee ?? ctx.you.name },
    fields: [name === "assign" ? "to||To (empty: nobody)" : name === "note" ? "text|textarea!|Note" : REASON,
      name === "settle" && !second && "transaction_ids||Ids in TaxJar, where entered by hand"],
    send: async ({ transaction_ids: ids, ...body }) => {
      if (ids != null) body.transaction_ids = ids.split(/[\s,;]+/).filter(Boolean);
      for (const { transaction_id: id, voucher } of chosen) await ctx.act("POST", `documents/${ctx.at}/${encodeURIComponent(id)}/${name}`,
        body, { voucher });
    },
  });
  ctx.again();
}

const retryAll = async (ctx, filter, rows, count) => await ctx.ask(`Retry ${many(count, "document")}`, {
  text: [h("p", DECISIONS.retry[1]), table("The first of them", ["number", "date|d", "reason|w|Cause", ...DOLLARS], rows.slice(0, 8))],
  fields: [REASON], send: (body) => ctx.act("POST", `documents/${ctx.at}/retry`, body, filter),
}) && ctx.again();

async function one(ctx) {
  let [id] = ctx.rest, { number: wanted, voucher } = ctx.query;
  const choose = (documents) => table("Documents", [linkTo(ctx), "voucher", "date|d", "customer", "state|s", "reason|w|Cause", ...DOLLARS],
    documents);
  if (!id) {
    const { documents } = await ctx.get(`documents/${ctx.at}`, { number: wanted, order: "newest", limit: 25 });
    if (!wanted || documents.length !== 1) return [h("h1", wanted ? `Invoice ${wanted}` : "Newest documents"), choose(documents)];
    [{ transaction_id: id, voucher }] = documents;
  }
  const path = `documents/${ctx.at}/${encodeURIComponent(id)}`, found = await ctx.get(path, { voucher }).catch((trouble) => {
    if (trouble.error?.candidates) return trouble.error;
    throw trouble;
  });
  const { audit, audit_intact: intact, candidates, in_taxjar: filed, left_out: left, message, proposal, reason,
    state } = found;
  if (candidates) return [h("h1", id), h("p", message), choose(candidates)];
  const held = state === "held", fits = [/held|failed|skipped|reported/.test(state) && "retry", held && proposal && "approve",
    held && (proposal || filed) && "dismiss", WAITING.includes(state) && "settle", "note", "assign"];
  const sent = h("div", transactions(found));
  return [
    h("div.bar", h("h1", `${found.kind === "refund" ? "Credit note" : "Invoice"} ${found.number}`), badge(state), h("b", words(reason)),
      found.late && h("span.tag", "late")),
    message && h(`p.notice.${state}`, message), h("div.bar", buttons(ctx, fits.filter(Boolean), () => [found])),
    facts(["transaction_id||TaxJar id", "voucher", "date|d", "customer", ...DOLLARS, "to_states|l|Ships to", "since|@", "assignee",
      "attempts",
      ["Audit chain", () => works(intact, `whole, ${number(audit.length)} entries`, "BROKEN")],
      left[0] && ["Left out", () => left.map(({ amount, reason }) => h("div", `${money(amount)} ${words(reason)}`))]], found),
        proposal && changes(proposal),
    h("h2", "Transactions"), sent, ctx.part("Asking TaxJar what it holds now…", async () => {
      sent.replaceChildren(...transactions(await ctx.get(path, { voucher, live: true }), true));
      return [];
    }),
    h("h2", "Timeline"), h("ol.timeline",
      audit.map((entry) => h("li", when(entry.at), " ", h("b", words(entry.decision)), ` ${entry.by ?? ""} `,
      quiet(entry.way, " ", entry.status), h("div", entry.reason), h("div", entry.message),
        details(entry, "request", "response", "before", "after", "notes")))),
  ];
}
export { one as document };

const FIGURE = /^-?(0|[1-9]\d*)(\.\d+)?$/, DOLLAR = /amount|price|tax$|ship|disc/,
  text = (value) => (typeof value === "object" && value ? JSON.stringify(value) : String(value ?? ""));

// TaxJar upper-cases cities, and its dates have a time.
const same = (a, b) => (FIGURE.test(a) && FIGURE.test(b) ? Number(a) === Number(b)
  : text(a).toUpperCase().replace(/T00:00.*/, "") === text(b).toUpperCase().replace(/T00:00.*/, ""));

// A transaction as names and values. TaxJar keeps neither the plugin nor the lines' ids.
const flat = ({ line_items: lines = [], plugin, ...own } = {}) => Object.fromEntries([...Object.entries(own),
  ...lines.flatMap(({ id, ...line }, index) => Object.entries(line).map(([name, value]) => [`line ${index + 1} ${name}`, value]))]);

const differences = (a, b, names) => names.map((name) => ({ name, a: a[name], b: b[name], differs: !same(a[name], b[name]) }));

const beside = (left, right, rows) => table("", ["name|c|Field", [left, (row) => h("div", text(row.a))], right && [right, (row) =>
  h(row.differs ? "div.failed" : "div", text(row.b))], right && ["Difference", ({ name, a, b, differs }) => differs && DOLLAR.test(name)
  && money(cents(b) - cents(a)), "num"]], rows);

const changes = ({ pairs }) => h("section.notice.held", h("h2", "What would change"), pairs.map(({ filed, ids, payloads }) => {
  const one = flat(filed ?? {}), two = flat(payloads.replacement);
  return [h("p", ids.reversal && [h("code", ids.reversal), " takes back what was filed. "],
    ids.replacement && [h("code", ids.replacement), " takes its place."]),
    beside("Filed", "New", differences(one, two, Object.keys({ ...one, ...two })).filter((row) => row.differs)),
    details(payloads, "reversal", "replacement")];
}));

const transactions = ({ transactions: all = [] }, asked) => all.map(({ transaction_id: id, payload, in_taxjar: holds, ...each }) => {
  const sent = flat(payload), rows = differences(sent, flat(holds ?? {}), Object.keys(sent));
  return h("details", { open: !all[1] },
    h("summary", h("code", id), ` ${words(each.kind)} ${each.to_state ?? ""} ${words(each.exemption_type)} `, h("b", money(each.amount)),
    ` tax ${money(each.sales_tax)} `,
      asked && (holds ? works(!rows.some((row) => row.differs), "as sent", "differs") : badge("held", "not in TaxJar"))),
  beside("As sent", asked && "In TaxJar now", rows));
});
