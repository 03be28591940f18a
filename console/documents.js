// Documents: what waits for a person, any other list, one in full, and what a person decides.
import { DOLLARS, REASON, age, badge, button, cents, form, h, many, money, number, quiet, selection, sum, table, when, words, works } from "./kit.js";

const WAITING = "held,failed";
const STATES = [[WAITING, "Held or failed"], ["held", "Held"], ["failed", "Failed"], ["seen,reporting,retrying", "In flight"],
  ["skipped", "Skipped"], ["reported", "Reported"], ["held,failed,seen,reporting,retrying,skipped,reported", "All"]];
const FILTERS = [["state", "State", STATES], "reason|Cause (code)", "number|Invoice number", "customer|Customer", "to_state|Ship-to state", "from|From|date",
  "to|To|date", "assignee|Assigned to", ["order", "Order", [["oldest", "Oldest first"], ["newest", "Newest first"]]], "late|Late only|checkbox"];

export const linkTo = (ctx) => ["Document", ({ transaction_id: id, number: shown = id, voucher }) => h("a", { href: ctx.to("document", { voucher }, id) }, shown)];

export async function todo(ctx) {
  const { at, company, connection, to, status } = ctx, query = { state: WAITING, order: "oldest", limit: 100, ...ctx.query };
  const page = await ctx.get(`documents/${at}`, query), { documents: rows, count = rows.length } = page, operator = ctx.may("operator"), chosen = new Set();
  const open = (company.open_work ?? []).filter(({ state }) => WAITING.includes(state)), total = (what) => h("td.num", money(sum(open, (row) => cents(row[what]))));
  const steps = (status.next_steps ?? []).filter((step) => (step.connection ?? connection.name) === connection.name && (step.company ?? company.id) === company.id);
  const link = ({ state, reason, text }) => h("a", { href: to("todo", { state, reason }) }, text ?? words(reason ?? state));
  // All at once only by what the bulk retry can tell apart.
  const bulk = !FILTERS.some((spec) => /^(number|customer|to_state|assignee|late)/.test(spec) && query[spec.split("|")[0]]) && !/seen|rep/.test(query.state);
  return [h("h1", "To do"), h("ul", steps.map((step) => h("li", link(step)))),
    table("By cause", [["Cause", link, null, (row) => row.reason], "State|state|s", "Documents|count|#", ...DOLLARS, "For|oldest|~"], open, { sorts: true,
      empty: "Nothing waits for a person.",
      foot: [h("th", { scope: "row", colspan: 2 }, "All"), h("td.num", number(sum(open, (row) => row.count))), total("amount"), total("sales_tax"), h("td")] }),
    h("details", { open: Object.keys(ctx.query).some((key) => !/state|reason|after/.test(key)) }, h("summary", "Filter and find"),
      form("row", query, FILTERS, "Show", (values) => (location.hash = to("todo", values)), h("a.button", { href: to("todo") }, "Reset"))),
    h("h2", many(count, "document"), rows.length < count && quiet(`, ${rows.length} on this page`)),
    operator && h("div.bar", buttons(ctx, ["retry", "settle", "note", "assign"], () => [...chosen]),
      bulk && count > 0 && button(`Retry all ${number(count)}…`, () => retryAll(ctx, query, rows, count))),
    table("", [operator && selection(chosen, (row) => row.number), linkTo(ctx), "State|state|s", ["Cause", (row) => [h("b", words(row.reason)),
      row.late && h("span.tag", "late"), h("div", row.message)]], "Date|date", "Customer|customer", "To|to_states|l", ...DOLLARS,
    ["For", (row) => age(row.since ?? row.updated_at), "num"], "Assigned|assignee"], rows, { sorts: true, empty: "No document fits." }),
    ctx.pages(ctx, "todo", page), ctx.file("CSV", `documents/${at}`, { ...query, after: "", limit: "", format: "csv" })];
}

/** Decision → least role, what it means. */
const DECISIONS = {
  retry: ["operator", "It is read from F&O and mapped anew. What was filed is not changed without approval."],
  approve: ["approver", "The proposal is sent to TaxJar, dated today. What was filed is reversed, not overwritten."],
  dismiss: ["approver", "What TaxJar holds is kept. The change is not sent."], settle: ["operator", "It was handled outside the connector."],
  note: ["operator", "It goes into the audit. The state stays."], assign: ["operator", "Who looks after it. The state stays."],
};

const buttons = (ctx, names, chosen) => names.map((name) => (ctx.may(DECISIONS[name][0])
  ? button(`${words(name)}…`, () => decide(ctx, name, chosen()), name === "approve" && "main") : DECISIONS[name][0] === "approver" && quiet(`${words(name)}: for approvers`)));

async function decide(ctx, name, chosen) {
  if (!chosen.length) return ctx.ask("Select documents first", {});
  const [first, second] = chosen, refused = [], title = words(name), called = first.number ?? first.transaction_id;
  const one = ({ transaction_id: id, voucher }, body) => ctx.act("POST", `documents/${ctx.at}/${encodeURIComponent(id)}/${name}`, body, { voucher });
  const done = await ctx.ask(`${title} ${second ? many(chosen.length, "document") : called}`, {
    text: h("p", DECISIONS[name][1]), label: title, typed: name === "approve" && called, values: { to: first.assignee ?? ctx.you.name },
    fields: [name === "assign" ? "to|To|text|Empty: to nobody." : REASON,
      name === "settle" && !second && "transaction_ids|Ids in TaxJar|text|Where it was entered by hand."],
    send: async ({ transaction_ids: ids, ...body }) => {
      if (ids != null) body.transaction_ids = ids.split(/[\s,;]+/).filter(Boolean);
      if (!second) return one(first, body);
      for (const row of chosen) await one(row, body).catch(({ message }) => refused.push({ ...row, message }));
    },
  });
  if (refused.length) await ctx.ask("Refused", { text: table("", ["Document|number", "Why|message"], refused) });
  if (done) ctx.again();
}

async function retryAll(ctx, { state, reason, from, to }, rows, count) {
  const done = await ctx.ask(`Retry ${many(count, "document")}`, {
    text: [h("p", DECISIONS.retry[1]), table("The first of them", ["Document|number", "Date|date", "Cause|reason|w", ...DOLLARS], rows.slice(0, 8))],
    fields: [REASON], label: "Retry all", send: (body) => ctx.act("POST", `documents/${ctx.at}/retry`, body, { state, reason, from, to }),
  });
  if (done) ctx.again();
}

export async function one(ctx) {
  let [id] = ctx.rest, { number: wanted, voucher } = ctx.query;
  const choose = (documents) => table("Documents", [linkTo(ctx), "Voucher|voucher", "Date|date", "Customer|customer", "State|state|s", "Cause|reason|w", ...DOLLARS], documents,
    { empty: "None. If F&O has it, the poll has not found it yet." });
  if (!id) {
    const { documents } = await ctx.get(`documents/${ctx.at}`, { number: wanted, order: "newest", limit: 25 });
    if (!wanted || documents.length !== 1) {
      return [h("h1", wanted ? `Invoice ${wanted}` : "Newest documents"), choose(documents)];
    }
    [{ transaction_id: id, voucher }] = documents;
  }
  const path = `documents/${ctx.at}/${encodeURIComponent(id)}`, found = await ctx.get(path, { voucher }).catch((trouble) => {
    if (trouble.error?.candidates) return trouble.error;
    throw trouble;
  });
  const { audit = [], audit_intact: intact, candidates, left_out: left, message, proposal, state } = found;
  if (candidates) return [h("h1", id), h("p", message), choose(candidates)];
  const waits = WAITING.includes(state), changed = state === "held" && (proposal || found.in_taxjar);
  const fits = [(waits || /skipped|reported/.test(state)) && "retry", proposal && changed && "approve", changed && "dismiss", waits && "settle", "note", "assign"];
  const facts = {
    "TaxJar id": found.transaction_id, Voucher: found.voucher, Date: found.date, Customer: [found.customer, found.customer_name].filter(Boolean).join(" · "),
    Net: money(found.amount), "Sales tax": money(found.sales_tax), "Ships to": found.to_states?.join(", "), Since: when(found.since ?? found.updated_at),
    Assigned: found.assignee, Attempts: found.attempts, "Audit chain": works(intact, `whole, ${many(audit.length, "entry")}`.replace("ys", "ies"), "BROKEN"),
    "Left out": typeof left === "string" ? money(left) : left?.map?.((each) => h("div", `${money(each.amount)} ${words(each.reason)}`)),
  };
  const sent = h("div", transactions(found));
  return [
    h("div.bar", h("h1", `${found.kind === "refund" ? "Credit note" : "Invoice"} ${found.number}`), badge(state), h("b", words(found.reason)),
      found.late && h("span.tag", "late")),
    message && h(`p.notice.${state}`, message), h("div.bar", buttons(ctx, fits.filter(Boolean), () => [found])),
    h("dl", Object.entries(facts).map(([name, value]) => value && h("div", h("dt", name), h("dd", value)))), proposal && changes(proposal),
    h("h2", "Transactions"), sent, ctx.part("Asking TaxJar what it holds now…", async () => {
      sent.replaceChildren(...transactions(await ctx.get(path, { voucher, live: true }), true));
      return [];
    }),
    h("h2", "Timeline"), h("ol.timeline", audit.map((entry) => h("li", when(entry.at), " ", h("b", words(entry.decision)), ` ${entry.by ?? ""} `, quiet(entry.way, " ", entry.status),
      h("div", entry.reason), h("div", entry.message), ["request", "response", "before", "after", "notes"].map((name) => entry[name] &&
        h("details", h("summary", words(name)), h("pre", { tabindex: 0 }, JSON.stringify(entry[name], null, 1))))))),
  ];
}

const blank = (value) => value == null || value === "", FIGURE = /^-?[\d.]+$/;
const text = (value) => (blank(value) ? "–" : typeof value === "object" ? JSON.stringify(value) : String(value));

/** Whether two values of TaxJar's JSON say the same: it upper-cases cities, and its dates have a time. */
const same = (a, b) => (blank(a) ? blank(b) : FIGURE.test(a) && FIGURE.test(b) ? Number(a) === Number(b)
  : String(a).toUpperCase().replace(/T00:00.*/, "") === String(b).toUpperCase().replace(/T00:00.*/, ""));

/** A transaction as names and values: its own fields, then each line's. */
const flat = ({ line_items: lines = [], ...own }) => Object.fromEntries([...Object.entries(own), ...lines.flatMap((line, index) =>
  Object.entries(line).map(([name, value]) => [`line ${index + 1} ${name}`, value]))]);

const differences = (a, b, names) => names.map((name) => ({ name, a: a[name], b: b[name], differs: !same(a[name], b[name]) }));

/** Two transactions beside each other, line by line. */
const beside = (left, right, rows) => table("", ["Field|name|c", [left, (row) => text(row.a), "num"],
  right && [right, (row) => h(row.differs ? "b.bad" : "span", text(row.b)), "num"],
  right && ["Difference", ({ a, b, differs }) => differs && FIGURE.test(a) && FIGURE.test(b) && money(cents(b) - cents(a)), "num"]], rows, { empty: "No difference." });

function changes(given) {
  const { ids = {}, payloads = {} } = given, of = (part) => payloads[part] && { transaction_id: ids[part], payload: payloads[part] };
  return h("section.notice.held", h("h2", "What would change"), (given.pairs ?? [{ ...given, reversal: of("reversal"), replacement: of("replacement") }])
    .map(({ filed, difference = {}, reversal, replacement }) => {
      const one = flat(filed ?? {}), two = flat(replacement?.payload ?? {});
      const rows = filed && replacement ? differences(one, two, Object.keys({ ...one, ...two })).filter((row) => row.differs)
        : Object.entries(difference).map(([name, each]) => ({ name, a: each.filed, b: each.new, differs: true }));
      return [h("p", h("code", reversal?.transaction_id), " takes back what was filed. ", replacement && [h("code", replacement.transaction_id), " takes its place."]),
        beside("Filed", "New", rows), [reversal, replacement].map((each) => each && h("details", h("summary", "To be sent: ", h("code", each.transaction_id)),
          beside("Value", null, differences(flat(each.payload), {}, Object.keys(flat(each.payload))))))];
    }));
}

function transactions(found, asked) {
  const all = found.transactions?.length ? found.transactions : found.payload ? [found] : [];
  return all.length ? all.map(({ transaction_id: id, payload, in_taxjar: held, ...each }) => {
    const sent = flat(payload ?? {}), rows = differences(sent, flat(held || {}), Object.keys(sent)), differs = rows.some((row) => row.differs);
    return h("details", { open: !all[1] }, h("summary", h("code", id), ` ${words(each.kind)} ${each.to_state ?? ""} `, h("b", money(each.amount)), ` tax ${money(each.sales_tax)} `,
      asked && (held ? works(!differs, "as sent", "differs") : badge("held", "not in TaxJar")), ` ${words(each.exemption_type)}`),
    beside("As sent", asked && "In TaxJar now", rows));
  }) : [h("p.quiet", "Nothing was sent.")];
}
