// Jobs, runs, the activity of people and schedules, exempt customers and nexus.
import {
  DOLLARS, SIDES, addDays, addMonths, badge, bars, button, details, facts, form, h, link, many, monthRange, number, span, sum, table,
    when, words, works,
} from "./kit.js";
import { linkTo } from "./documents.js";
import { findings } from "./periods.js";

const state = (job) => badge({ finished: "ok", failed: "failed", cancelled: "skipped" }[job.state] ?? "flight", words(job.state));
const kind = (job) => ["deep", "heal", "dry_run", "force"].filter((name) => job[name]).map(words).join(", ") || "–";

async function jobs(ctx, path, list, values, specs, column) {
  const { screen, to } = ctx, found = await ctx.get(path, { limit: 30, after: ctx.query.after });
  const start = async (given) => {
    const made = await ctx.ask(`Start ${given.from} to ${given.to}`,
      { text: h("p", given.dry_run ? "Nothing is sent." : "What is missing may be sent to TaxJar."),
      send: () => ctx.act("POST", path, given) });
    if (made) location.hash = to(screen, {}, made.job);
  };
  return [h("h1", words(screen)), ctx.may("operator") && form("row", values, ["from|date!", "to|date!", ...specs], "Start…", start),
    table("So far", [["Days", (job) => link(to(screen, {}, job.job), `${job.from} to ${job.to}`)], ["State", state], ["Kind", kind],
      "by", "started_at|@|Started", column], found[list]), ctx.more(found)];
}

function head(ctx, path, job, done = 0, total = 1, ...files) {
  const running = job.state === "running", cancel = async () => {
    if (await ctx.ask("Cancel the job", { text: h("p", "What was done stays done."), send: () => ctx.act("DELETE", path) })) ctx.again();
  };
  if (running) ctx.later();
  return [h("div.bar", h("h1", `${words(ctx.screen)} ${job.from} to ${job.to}`), state(job), h("span.right.bar", files)),
    h("p", `${kind(job)}. As of `, when(job.finished_at ?? job.started_at), ` by ${job.by}. `,
      job.eta && ["About until ", when(job.eta), ". "],
      link(ctx.to(ctx.screen), "All jobs")), job.message && h("p.notice", job.message),
    running && h("div.bar", h("progress", { max: total, value: done, "aria-label": "Progress" }),
      h("span", { role: "status" }, `${number(done)} of ${number(total)}`),
      ctx.may("operator") && button("Cancel the job…", cancel))];
}

const FIGURES = ["seen", "reported", "would_send", "would_change", "skipped", "held", "failed", "remaining"];
const differing = ({ counts }) => sum(Object.entries(counts), ([name, count]) => (name === "reconciled" ? 0 : count));

export async function reconciliation(ctx) {
  const { screen, to, rest: [id], query: { status, to_state: code, after } } = ctx, list = `reconciliation-jobs/${ctx.at}`;
  if (!id) {
    const [from, until] = monthRange(addMonths(ctx.company.today.slice(0, 7), -1));
    return jobs(ctx, list, "jobs", { from, to: until }, ["deep|checkbox|Deep: every field", "heal|checkbox|Report what is missing"],
      ["Differences", (job) => number(differing(job)), "num"]);
  }
  const path = `${list}/${id}`, job = await ctx.get(path, { status, to_state: code, after, limit: 100 }),
    filter = (query, ...text) => link(to(screen, query, id), text);
  const { counts, totals, documents, count, progress = {} } = job;
  return [head(ctx, path, job, progress.done, progress.total, ["xlsx", "csv"].map((format) => ctx.file(format, path))),
    h("ul.key", Object.entries(counts).map(([name, found]) =>
      h("li", filter({ status: name, to_state: code }, `${number(found)} ${words(name)}`)))),
    table("By state", [["State", ([name]) => filter({ status, to_state: name }, name)], "1.documents|#|Documents",
      ["Differ", (row) => number(differing(row[1])), "num"],
      ...SIDES.map((side) => `1.${side}`)], Object.entries(totals)),
    h("h2", many(count, "difference"), ` ${words(status)} ${code ?? ""} `, (status || code) && filter({}, "Show all")),
    table("", [linkTo(ctx), "status|w", "date|d", "to_state||State", "state|s|Here", "reason|w|Cause", ...SIDES], documents,
      { sorts: true }), ctx.more(job),
    !after && findings(ctx, job)].flat();
}

export async function backfill(ctx) {
  const { company, rest: [id] } = ctx, list = `backfills/${ctx.name}`;
  if (!id) {
    return jobs({ ...ctx, act: (method, path, body) => ctx.act(method, path, { company: company.id, ...body }) }, list, "backfills",
      { from: company.report_from, to: ctx.company.today, dry_run: true },
        ["dry_run|checkbox|Dry run: nothing is sent", "force|checkbox|Also before the start, mapped anew"],
      "remaining|#");
  }
  const job = await ctx.get(`${list}/${id}`), { seen, remaining, reasons, totals } = job;
  return [head(ctx, `${list}/${id}`, job, seen - remaining, seen),
    facts(FIGURES.map((name) => `${name}|#`), job),
    table("Causes", ["reason|w|Cause", "of|s|State", "count|#|Documents"], Object.entries(reasons).flatMap(([of, found]) =>
      Object.entries(found).map(([reason, count]) => ({ of, reason, count })))),
    table("What would reach TaxJar", ["0||State", "1.documents|#|Documents", ...DOLLARS.map((side) => `1.${side}`)],
      Object.entries(totals ?? {}))].flat();
}

export async function running(ctx) {
  const all = await ctx.get("status", { detail: true }), { name } = ctx.connection, operator = ctx.may("operator"), pinged = h("div");
  const { audit, delays: { buckets = [], from } = {}, settings } = all, here = all.connections.find((each) => each.name === name),
    sets = here.sets_done_without;
  const ping = () => pinged.replaceChildren(ctx.part("Trying…", async () => [table("", ["name||Check",
    ["Result", ({ ok }) => works(ok, "works", "does not")], "message||Says", "hint||What to do"],
      (await ctx.act("POST", `connections/${ctx.name}/ping`)).checks)]));
  const run = async (name) => await ctx.ask(`Run ${words(name)} now`, { send: () => ctx.act("POST", `runs/${name}`) }) && ctx.again();
  return [h("h1", "Running?"), h("p.quiet", `Version ${all.version}, `, when(all.checked_at)),
    table("Last runs", ["function|w", "connection", "company", "finished_at|@|Last run", "finished_at|~|Ago", "by",
      operator && ["Now", (row) => button("Run now…", () => run(row.function))],
      ["Result", ({ ok, finished_at: at, message }) => at && [works(ok, "complete", "not complete"), " ", message]]], all.runs),
    table("Pauses", ["side|w", "company", "since|@", "until|@", "reason||Why"], here.pauses),
    table("Queues", ["name|c|Queue", "messages|#", "oldest_at|~|Oldest"], all.queues),
    h("h2", "Connection"), operator && button(`Ping ${name}`, ping), pinged,
      h("p", "Sets done without: ", sets.join(", ") || "none"),
    h("h2", "From first sight to TaxJar"), h("p.quiet", "Since ", when(from)),
      bars("delays", buckets.map(({ up_to_seconds: s, count }) =>
      ({ size: count, text: `${number(count)} in ${s ? span(s) : "more"}`, label: `${s ? span(s) : "more"}: ${number(count)}` }))),
    chain(audit), settings && h("details", h("summary", "Settings in force"), table("", ["name|c|Setting", "value"], settings))];
}

const chain = ({ intact, broken = [], last_root: root } = {}) => h("section", h("h2", "Audit"),
  works(intact, "Every chain is whole.", "A chain is broken."),
  h("ul", broken.map(({ connection, company, transaction_id: id }) =>
    h("li", link(`#/document/${[connection, company, id].map(encodeURIComponent).join("/")}`, id)))),
  root && h("p.quiet", `Root of ${root.day}, signed `, when(root.signed_at), ": ", h("code", root.root)));

export async function activity(ctx) {
  const { query, company, to: address } = ctx, to = query.to || ctx.company.today, from = query.from || addDays(to, -30);
  const page = await ctx.get(`activity/${ctx.name}`, { company: company.id, limit: 100, ...query });
  return [h("div.bar", h("h1", "Activity"), h("span.right", ctx.file("ndjson", `audit/${ctx.at}`, { from, to }))),
    form("row", query, ["person", "subject", "kind", "from|date", "to|date"], "Show",
      (values) => (location.hash = address("activity", values))),
    table("", ["at|@|When", ["Who", (row) => [h("b", { title: row.person }, row.by), h("div.quiet", row.way)]], "decision|w|What", "kind|w",
      ["Subject", ({ transaction_id: id, subject = id }) => (id ? link(address("document", {}, id), subject) : subject)],
      ["Why", (row) => [h("div", row.reason), h("div", row.message), details(row, "before", "after")]]], page.activity),
    ctx.more(page), chain(page.audit ?? ctx.status.audit)];
}

export function customers(ctx) {
  const { query, company } = ctx, path = `nexus/${ctx.name}`, signs = { exempt: "ok", refused: "failed" };
  return [h("h1", "Customers and nexus"),
    form("row", query, ["account"], "Show", (values) => (location.hash = ctx.to("customers", values))),
    ctx.part("Reading…", async () => {
      const page = await ctx.get(`customers/${ctx.at}`, { limit: 100, ...query }), { customers: rows, count } = page;
      return [table("Exempt customers", ["account", "name", ["State", (row) => badge(signs[row.state], words(row.state))],
        "exemption_type|w|Exemption",
        ["Where", ({ regions }) => regions.join(", ") || "everywhere"], "rule||By which rule", "message||Says", "updated_at|@|Since"],
          rows, { sorts: true }),
      h("p.quiet", many(count, "customer"), ", brought up to date ", when(page.synced_at)), ctx.more(page)];
    }),
    ctx.part("Reading…", async () => {
      const { regions, pulled_at: at } = await ctx.get(path, { company: company.id });
      return [table("Nexus", ["region", "region_code||Code", "country_code||Country"], regions),
        h("p.quiet", "As TaxJar said ", when(at), ". ", ctx.file("csv", path, { company: company.id }))];
    })];
}
