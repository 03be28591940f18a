// Jobs, runs, the activity of people and schedules, exempt customers and nexus.
import {
  DOLLARS, SIDES, addDays, addMonths, badge, bars, button, form, h, many, monthRange, number, quiet, span, sum, table, today, when, words, works,
} from "./kit.js";
import { linkTo } from "./documents.js";
import { findings } from "./periods.js";

const state = (job) => badge({ finished: "ok", failed: "failed", cancelled: "skipped" }[job.state] ?? "flight", words(job.state));
const kind = (job) => ["deep", "heal", "dry_run", "force"].filter((name) => job[name]).map(words).join(", ") || "–";
const named = ({ connection }) => encodeURIComponent(connection.name);

/** The jobs so far, and a form to start one; `sure` is what must be ticked first. */
async function jobs(ctx, path, list, values, specs, body, sure, column) {
  const { screen, to } = ctx, found = await ctx.get(path, { limit: 30, after: ctx.query.after });
  const start = async (given) => {
    const made = await ctx.ask(`Start ${given.from} to ${given.to}`, { label: "Start", fields: [sure(given)], send: () => ctx.act("POST", path, { ...body, ...given }) });
    if (made) location.hash = to(screen, {}, made.job);
  };
  return [h("h1", words(screen)), ctx.may("operator") && form("row", values, ["from|From|date!", "to|To|date!", ...specs], "Start…", start),
    table("So far", [["Days", (job) => h("a", { href: to(screen, {}, job.job) }, `${job.from} to ${job.to}`)], ["State", state], ["Kind", kind],
      "By|by", "Started|started_at|@", column], found[list]), ctx.pages(ctx, screen, found)];
}

/** The head of one job; while it runs, how far it is. */
function head(ctx, path, job, done, total, ...links) {
  const running = job.state === "running", cancel = async () => {
    if (await ctx.ask("Cancel the job", { text: h("p", "What was done stays done."), send: () => ctx.act("DELETE", path) })) ctx.again();
  };
  if (running) ctx.later();
  return [h("div.bar", h("h1", `${words(ctx.screen)} ${job.from} to ${job.to}`), state(job), h("span.right", links)),
    h("p", `${kind(job)}. As of `, when(job.finished_at ?? job.started_at), ` by ${job.by}. `, job.eta && ["About until ", when(job.eta), ". "],
      h("a", { href: ctx.to(ctx.screen) }, "All jobs")), job.message && h("p.notice", job.message),
    running && h("div.bar", h("progress", { max: total || 1, value: done ?? 0, "aria-label": "Progress" }), h("span", { role: "status" }, `${number(done)} of ${number(total)}`),
      ctx.may("operator") && button("Cancel the job…", cancel))];
}

const differing = ({ counts = {} }) => sum(Object.entries(counts), ([name, count]) => (name === "reconciled" ? 0 : count));

export async function reconciliation(ctx) {
  const { screen, to, rest: [id], query: { status, to_state: code, after } } = ctx, list = `reconciliation-jobs/${ctx.at}`;
  if (!id) {
    const [from, until] = monthRange(addMonths(today(ctx).slice(0, 7), -1));
    return jobs(ctx, list, "jobs", { from, to: until }, ["deep|Deep: every field|checkbox", "heal|Report what is missing in TaxJar|checkbox"], {}, () => null,
      ["Differences", (job) => number(differing(job)), "num"]);
  }
  const path = `${list}/${id}`, job = await ctx.get(path, { status, to_state: code, after, limit: 100 }), link = (query, ...text) => h("a", { href: to(screen, query, id) }, text);
  const { counts = {}, totals = {}, documents = [], count = documents.length, progress = {} } = job;
  return [head(ctx, path, job, progress.done, progress.total, ["xlsx", "csv"].map((format) => ctx.file(format.toUpperCase(), path, { format }))),
    h("ul.key", Object.entries(counts).map(([name, n]) => h("li", link({ status: name, to_state: code }, h(name === "reconciled" ? "b.ok" : n ? "b.bad" : "b", number(n)), ` ${words(name)}`)))),
    table("By state", [["State", ([name]) => link({ status, to_state: name }, name)], "Documents|1.documents|#", ["Differ", (row) => number(differing(row[1])), "num"],
      ...SIDES.map((side) => side.replace("|", "|1."))], Object.entries(totals)),
    h("h2", many(count, "difference"), ` ${words(status)} ${code ?? ""} `, (status || code) && link({}, "Show all")),
    table("", [linkTo(ctx), "Status|status|w", "Date|date", "State|to_state", ["Here", (row) => [row.state && badge(row.state), " ", words(row.reason)]], ...SIDES], documents,
      { sorts: true }), ctx.pages(ctx, screen, job, id), !after && findings(ctx, job)].flat();
}

export async function backfill(ctx) {
  const { company, rest: [id] } = ctx, list = `backfills/${named(ctx)}`;
  if (!id) {
    return jobs(ctx, list, "backfills", { from: company.report_from, to: today(ctx), dry_run: true },
      ["dry_run|Dry run: nothing is sent|checkbox", "force|Force: also before the start, mapped anew|checkbox"], { company: company.id },
      (given) => !given.dry_run && "sure|Documents are really sent to TaxJar|checkbox!", "Remaining|remaining|#");
  }
  const job = await ctx.get(`${list}/${id}`), { seen = 0, remaining = 0, reasons = {}, totals = {} } = job;
  return [head(ctx, `${list}/${id}`, job, seen - remaining, seen),
    h("dl", ["seen", "reported", "would_send", "would_change", "unchanged", "skipped", "held", "failed", "remaining"].map((name) => job[name] != null &&
      h("div", h("dt", words(name)), h("dd", number(job[name]))))),
    table("Causes", ["Cause|reason|w", "State|of|s", "Documents|count|#"], Object.entries(reasons).flatMap(([of, found]) =>
      Object.entries(found).map(([reason, count]) => ({ of, reason, count })))),
    table("What would reach TaxJar", ["State|0", "Documents|1.documents|#", "Net|1.amount|$", "Tax|1.sales_tax|$"], Object.entries(totals))].flat();
}

export async function running(ctx) {
  const all = await ctx.get("status", { detail: true }), { name } = ctx.connection, operator = ctx.may("operator"), { delays: { buckets = [], from } = {}, settings } = all;
  const { pauses = [], sets_done_without: sets = [] } = all.connections.find((each) => each.name === name) ?? {}, pinged = h("div");
  const ping = () => pinged.replaceChildren(ctx.part("Trying everything that the connection needs…", async () => [table("", ["Check|name",
    ["Result", ({ ok }) => works(ok, "works", "does not")], "Says|message", "What to do|hint"], (await ctx.act("POST", `connections/${named(ctx)}/ping`)).checks)]));
  const run = async (name) => await ctx.ask(`Run ${words(name)} now`, { label: "Run now", send: () => ctx.act("POST", `runs/${name}`) }) && ctx.again();
  return [h("h1", "Running?"), h("p.quiet", `Version ${all.version}, `, when(all.checked_at)),
    table("Last runs", ["Function|function|w", ["For", (row) => [row.connection, row.company].filter(Boolean).join(" ") || "all"], "Last run|finished_at|@",
      "Ago|finished_at|~", "By|by", ["Result", ({ ok, finished_at: at, message }) => at && [works(ok, "complete", "not complete"), " ", message]],
      operator && ["", (row) => button("Run now…", () => run(row.function))]], all.runs ?? []),
    table("Pauses", ["Side|side|w", "Company|company", "Since|since|@", "Until|until|@", "Why|reason"], pauses, { empty: "Nothing is paused." }),
    table("Queues", ["Queue|name|c", "Messages|messages|#", "Oldest|oldest_at|~"], all.queues ?? []),
    h("h2", "Connection"), operator && button(`Ping ${name}`, ping), pinged,
    h("p", sets.length ? ["Done without, as F&O never let it be read: ", h("code", sets.join(", "))] : "Every entity set can be read."),
    buckets.length > 0 && [h("h2", "From first sight to TaxJar"), h("p.quiet", "Since ", when(from), ", by the time it took at most"),
      bars("delays", buckets.map(({ up_to_seconds: s, count }) => ({ size: count, label: `${s ? span(s) : "more"}: ${number(count)}`, text: `${s ? span(s) : "more"}: ${number(count)}` })))],
    chain(all.audit), settings && h("details", h("summary", h("b", "Settings in force")), table("", ["Setting|name|c", "Value|value"], settings))].flat();
}

/** Whether the audit is whole. */
const chain = (audit) => audit && h("section", h("h2", "Audit"), works(audit.intact, "Every chain is whole.", "A chain is broken."),
  h("ul", audit.broken?.map(({ connection, company, transaction_id: id }) => h("li", h("a", { href: `#/document/${[connection, company, id].map(encodeURIComponent).join("/")}` }, id)))),
  audit.last_root && h("p.quiet", `Root of ${audit.last_root.day}, signed `, when(audit.last_root.signed_at), ": ", h("code", audit.last_root.root)));

export async function activity(ctx) {
  const { query, company, to: link } = ctx, to = query.to || today(ctx), from = query.from || addDays(to, -30), kinds = ["", "decision", "period", "backfill",
    "customer", "nexus", "reconciliation", "fence", "run"], page = await ctx.get(`activity/${named(ctx)}`, { company: company.id, limit: 100, ...query });
  return [h("div.bar", h("h1", "Activity"), h("span.right", ctx.file("Audit with proofs", `audit/${ctx.at}`, { from, to }))),
    form("row", query, ["person|Person", "subject|Subject", ["kind", "Kind", kinds.map((kind) => [kind, words(kind || "all")])], "from|From|date", "to|To|date"], "Show",
      (values) => (location.hash = link("activity", values))),
    table("", ["When|at|@", ["Who", (row) => [h("b", { title: row.person }, row.by), h("div.quiet", row.way)]], "What|decision|w",
      ["Subject", ({ transaction_id: id, subject }) => (id ? h("a", { href: link("document", {}, id) }, subject ?? id) : subject)],
      ["Why", ({ reason, message, before, after }) => [reason, h("div", message), (before || after) && h("details", h("summary", "Change"),
        h("pre", { tabindex: 0 }, JSON.stringify({ before, after }, null, 1)))]]], page.activity),
    ctx.pages(ctx, "activity", page), chain(page.audit ?? ctx.status.audit)];
}

export function customers(ctx) {
  const { query, company } = ctx, path = `nexus/${named(ctx)}`, signs = { exempt: "ok", refused: "bad" };
  return [h("h1", "Customers and nexus"), form("row", query, ["account|Customer account", ["state", "State", ["", "exempt", "refused", "pending"].map((each) =>
    [each, words(each || "all")])]], "Show", (values) => (location.hash = ctx.to("customers", values))),
  ctx.part("Reading the customers…", async () => {
    const page = await ctx.get(`customers/${ctx.at}`, { limit: 100, ...query }), { customers: rows, count = rows.length } = page;
    return [table("Exempt customers", ["Customer|account", "Name|name", ["State", (row) => badge(signs[row.state], words(row.state))], "Exemption|exemption_type|w",
      ["Where", ({ regions = [] }) => regions.join(", ") || "everywhere"], "By which rule|rule", "Says|message", "Since|updated_at|@"], rows, { sorts: true }),
    h("p.quiet", many(count, "customer"), ", brought up to date ", when(page.synced_at)), ctx.pages(ctx, "customers", page)];
  }),
  ctx.part("Reading the regions…", async () => {
    const { regions, pulled_at: at } = await ctx.get(path, { company: company.id });
    return [table("Nexus", ["Region|region", "Code|region_code", "Country|country_code"], regions),
      h("p.quiet", "As TaxJar said ", when(at), ". ", ctx.file("CSV", path, { company: company.id, format: "csv" }))];
  })];
}
