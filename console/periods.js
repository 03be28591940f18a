// Months and filing periods: what is in, filed, closed.
import {
  DOLLARS, REASON, SIDES, addDays, addMonths, badge, bars, button, h, link, many, money, monthRange, number, quiet, selection, sign,
    spell, sum,
  table, when, words,
} from "./kit.js";

const FLOW = ["reported", "skipped", "held", "failed", "in_flight"], OPEN = ["failed", "held", "in_flight", "not_seen_yet"];
const FINDINGS = ["late", "untaxed_without_reason", "tax_without_nexus", "tax_from_exempt_customer", "left_out", "handled_outside",
  "foreign", "unreadable"];
const counted = (counts) => (name) => `${number(counts[name])} ${words(name).toLowerCase()}`;

export function month(ctx) {
  const { company: { today: day, filing_lock_day: lock }, to: address } = ctx, path = `completeness/${ctx.at}`;
  // Until the filing day the month before is the one in hand.
  const shown = ctx.query.month ?? addMonths(day.slice(0, 7), day.slice(8) > lock ? 0 : -1), [from, to] = monthRange(shown);
  const step = (by, label, text) => h("a.button", { href: address("month", { month: addMonths(shown, by) }), "aria-label": label }, text);
  return [
    h("div.bar", h("h1", spell(from, { month: "long", year: "numeric" })), step(-1, "Month before", "‹"), step(1, "Month after", "›"),
      h("span.right.bar", ["xlsx", "csv"].map((format) => ctx.file(format, path, { from, to })))),
    ctx.part("Counting both sides…", async () => {
      const all = await ctx.get(path, { from, to }), filing = addDays(to, lock);
      return [verdict(all, (Date.parse(filing) - Date.parse(day)) / 864e5, spell(filing)), flow(all), strip(ctx, all),
        states(ctx, all), table("By cause", [["Cause", ({ state, reason }) => link(address("todo", { state, reason }), words(reason ?? state))],
          "state|s", "count|#|Documents", ...DOLLARS, "in_taxjar|#", "oldest|d"], all.by_reason), findings(ctx, all),
        h("p.quiet", "Counted ", when(all.checked_at), ", last poll ", when(all.last_poll_at))];
    }),
  ];
}

function verdict(all, left, filing) {
  const counts = { ...all, not_seen_yet: all.dynamics.not_seen_yet }, open = OPEN.filter((name) => counts[name]), { states } = all;
  const missing = open.map(counted(counts)).join(", "), waiting = states.filter((row) => !row.ready_to_file), ready = all.ready_to_file;
  const filed = ready ? "it can be filed" : waiting.length < states.length
    ? `${states.length - waiting.length} of ${many(states.length, "state")} can be filed, not ${waiting.map((row) => row.state).join(", ")}`
    : "it cannot be filed yet";
  return h(`section.notice.${!open.length && ready ? "ok" : open[0] === "failed" ? "failed" : "held"}`,
    h("p.lead", open.length ? `Not everything is in: ${missing}; ${filed}.` : `Everything is in; ${filed}.`),
    h("p", `${number(all.reported)} of ${many(all.seen, "document")} in TaxJar. `,
      h("b", left > 0 ? `${many(left, "day")} to ${filing}, when TaxJar begins to file.` : `Closed since ${filing}.`)),
    !ready && h("ul", all.why.map((why) => h("li", why))));
}

function flow(all) {
  let x = 0;
  const rects = FLOW.filter((name) => all[name]).map((name) => {
    // One document among thousands still shows.
    const width = 6 + (960 * all[name]) / all.seen, rect = h(`rect.${name}`, { x, width, height: 20 });
    x += width + 3;
    return rect;
  });
  return h("section", h("svg.flow", { viewBox: `0 0 ${x || 1} 20`, preserveAspectRatio: "none", "aria-hidden": "true" }, rects),
    h("ul.key", FLOW.map((name) => h("li", badge(name), h("b", ` ${number(all[name])} `), quiet(money(all.amounts[name].amount))))));
}

const strip = (ctx, { days }) => days.length > 0
  && h("section", h("h2", "By day"), bars(`days.start${new Date(days[0].date).getUTCDay()}`, days.map((day) => {
  const open = OPEN.filter((name) => day[name]), { date, seen } = day;
  const text = [spell(date), many(seen, "document"), ...open.map(counted(day))].join(", ");
  return { size: seen, label: Number(date.slice(8)), text, kind: open[0],
    href: open.length && ctx.to("todo", { state: "all", from: date, to: date }) };
})));

function states(ctx, { from, to, states: rows }) {
  return table("By state", [["State", ({ state }) => link(ctx.to("todo", { state: "all", to_state: state, from, to }), state), null,
    ({ state }) => state],
    "documents|#", ...SIDES,
    "nexus|y", "filed_through|d",
      ["Ready to file", (row) => (row.ready_to_file ? badge("ok", "Ready")
        : h("details", h("summary", badge("held", "Waits")), h("ul", row.why.map((why) => h("li", why)))))]], rows, { sorts: true, totals: true });
}

export const findings = (ctx, all) => h("section", h("h2", "Worth a look"), FINDINGS.map((name) => {
  const { count, documents, amount, sales_tax: tax } = all[name] ?? {};
  return documents && h("details", h("summary", h("b", `${number(count)} ${words(name)} `), quiet(`net ${money(amount)}, tax ${money(tax)}`)),
    table("", [["Document", ({ transaction_id: id, number: shown = id }) => link(ctx.to("document", {}, id), shown)], "date|d", "to_state||State", ...DOLLARS], documents));
}));

const SIGNS = { filed: ["✓", "closed by a person"], closed: ["■", "closed by the calendar"], open: ["○", "over, not closed"],
  running: ["…", "not over yet"] };

export async function filing(ctx) {
  const { states, closed_through: through, filing_lock_day: lock } = await ctx.get(`filing-periods/${ctx.at}`, ctx.query);
  const chosen = new Set(), approver = ctx.may("approver"),
    months = [...new Set(states.flatMap(({ periods }) => periods.map(({ to }) => to.slice(0, 7))))];
  const cell = (month) => ({ state, periods }) =>
    periods.filter((period) => period.to.startsWith(month)).map(({ status, from, to, late, ...period }) => {
    const open = sum(["held", "failed", "in_flight"], (name) => period[name]), [mark, meaning] = SIGNS[status] ?? ["?", status];
    return [h(`span.${status}`, sign(mark), h("span.hidden", meaning)),
      open > 0 && [" ", link(ctx.to("todo", { from, to, to_state: state }), `${number(open)}\u00a0open`)],
        late > 0 && h("span.tag", `${number(late)} late`)];
  });
  return [h("h1", "Filing"), h("p", `By the calendar all is closed through ${through}: on day ${lock} of the month after a period.`),
    h("ul.key", Object.entries(SIGNS).map(([name, [mark, meaning]]) => h("li", h(`span.${name}`, mark), ` ${meaning}`))),
    approver ? button("Close the selected states…", () => close(ctx, [...chosen].map(({ state }) => state)),
      "main") : quiet("Approvers close periods."),
    table("Periods", [approver && selection(chosen, "state"), "state", ...months.sort().map((month) => [month, cell(month)]),
      "filed_through|d", "by", "at|@", "reason||Why", "frequency||Files", "nexus|y"], states)];
}

async function close(ctx, names) {
  await ctx.ask(`Close ${names.join(", ") || "nothing: select states first"}`, {
    text: h("p", "What is filed is never changed without approval."), label: "Close",
      values: { filed_through: addDays(`${ctx.company.today.slice(0, 7)}-01`, -1) },
    fields: ["filed_through|date!", REASON, "confirm|checkbox|Although documents are open inside",
      "reopen|checkbox|Although the day moves back"],
    send: async (body) => {
      for (const state of names) await ctx.act("PUT", `filing-periods/${ctx.at}/${state}`, body);
    },
  });
  ctx.again();
}
