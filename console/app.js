// The shell: calls of the API as the signed-in person, which screen, for which company.
import { button, form, h, many, number, quiet, sum, when, words } from "./kit.js";

const BASE = "/api/people/", RANKS = ["viewer", "operator", "approver"], FRESH = 20000;
const load = (module, name = "render") => async (ctx) => (await import(`./${module}.js`))[name](ctx);
const SCREENS = {
  month: ["Month", load("periods", "month")], todo: ["To do", load("documents", "todo")], document: ["Document", load("documents", "one")],
  reconciliation: ["Reconciliation", load("records", "reconciliation")], filing: ["Filing", load("periods", "filing")],
  running: ["Running?", load("records", "running")], activity: ["Activity", load("records", "activity")],
  backfill: ["Backfill", load("records", "backfill")], customers: ["Customers and nexus", load("records", "customers")],
};
const byId = (id) => document.getElementById(id), main = byId("main");
let status, asked = 0, turn = 0;

/** An answer that is an error, in the API's own words. */
class Trouble extends Error {
  constructor(status, error, wait) {
    super(error.message);
    Object.assign(this, { status, error, wait });
  }
}

/** A query without what is empty. */
function queryOf(query = {}) {
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  return text && `?${text}`;
}

/** The JSON of an answer. Raises Trouble. */
async function call(method, path, query, body) {
  const headers = { Accept: "application/json", "X-Connector": "console", "Content-Type": "application/json" };
  const answer = await fetch(BASE + path + queryOf(query), { method, headers, body, redirect: "error" }).catch(() => {
    throw new Trouble(0, { message: "The app does not answer. Check the network, then try again." });
  });
  const json = await answer.json().catch(() => ({}));
  if (answer.ok) return json;
  throw new Trouble(answer.status, json.error ?? { message: `The app answered ${answer.status}.` }, Number(answer.headers.get("Retry-After")));
}

const get = (path, query) => call("GET", path, query);
const act = (method, path, body = {}, query) => call(method, path, query, JSON.stringify(body));
const file = (label, path, query) => h("a.button", { href: BASE + path + queryOf(query) }, label);

/** Trouble as a panel; `again` tries once more. */
function problem({ message, status, wait }, again) {
  const from = encodeURIComponent(location.pathname + location.hash), local = /^(localhost|127\.0\.0\.1)$/.test(location.hostname);
  const href = `/.auth/login/${local ? "local" : "aad"}?post_login_redirect_uri=${from}`;
  return h("div.notice.failed", { role: "alert" }, h("p", message), wait > 0 && h("p", `Try again in ${many(wait, "second")}.`),
    status === 401 ? h("a.button", { href }, "Sign in") : again && button("Try again", again));
}

/** A part of a screen that loads by itself: a line while it waits, trouble in its place. */
function part(waiting, load) {
  const box = h("div", h("p.quiet", waiting));
  const run = async () => box.replaceChildren(...(await load().catch((trouble) => [problem(trouble, run)])).filter(Boolean));
  run();
  return box;
}

/** The links to other pages of a list; the query of an answer's `next` says where it goes on. */
function pages({ query, to }, screen, { next }, ...rest) {
  const after = next && new URL(next, location).searchParams.get("after"), link = (text, after) =>
    h("a.button", { href: to(screen, { ...query, after }, ...rest) }, text);
  return h("p.bar", query.after && link("First page", ""), after && link("Next page", after));
}

/** Ask in a dialog, then `send(values)`; trouble is shown inside. Answers what `send` does, undefined when cancelled. */
function ask(title, { text, fields = [], values = {}, typed, label = title, send = () => true }) {
  return new Promise((resolve) => {
    let result, busy;
    const said = h("div"), submit = async ({ typed: given, ...body }) => {
      if (busy) return;
      busy = true;
      try {
        if (typed && given !== typed) throw new Error(`That is not ${typed}. Nothing was done.`);
        result = await send(body) ?? true;
        dialog.close();
      } catch (trouble) {
        said.replaceChildren(problem(trouble));
      }
      busy = false;
    };
    const cancel = button("Cancel", () => dialog.close()), onclose = () => {
      dialog.remove();
      resolve(result);
    };
    const dialog = h("dialog", { "aria-labelledby": "asked", onclose }, h("h2", { id: "asked" }, title), text,
      form("stack", values, [...fields, typed && `typed|Type ${typed} to confirm|text!`], label, submit, cancel), said);
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** What every screen gets: the place, the person, the company, and how to go on. */
function contextOf(mine) {
  const [address, text] = location.hash.slice(2).split("?"), [name, ...parts] = address.split("/").map(decodeURIComponent);
  const screen = SCREENS[name] ? name : "month", [wanted, id, ...rest] = parts, query = Object.fromEntries(new URLSearchParams(text));
  const pairs = status.connections.flatMap((connection) => connection.companies.map((company) => ({ connection, company })));
  const here = pairs.find(({ connection, company }) => connection.name === wanted && company.id === id) ?? (id ? null : pairs[0]);
  if (!here) throw new Error(id ? `There is no company ${id} in connection ${wanted}.` : "No company is configured yet.");
  const encoded = (parts) => parts.map(encodeURIComponent).join("/"), ids = [here.connection.name, here.company.id];
  return {
    ...here, screen, rest, query, pairs, status, you: status.you, at: encoded(ids),
    may: (role) => status.you.roles.some((each) => RANKS.indexOf(each) >= RANKS.indexOf(role)),
    to: (screen, query, ...rest) => `#/${encoded([screen, ...ids, ...rest])}${queryOf(query)}`,
    get, act, file, part, pages, ask, again: () => show(true),
    later: () => setTimeout(() => mine === turn && show(true), 2000),
  };
}

function header({ at, company, connection, pairs, screen, to, you }) {
  const option = (each) => {
    const value = [each.connection.name, each.company.id].map(encodeURIComponent).join("/");
    return h("option", { value, selected: value === at }, `${each.company.id.toUpperCase()} · ${each.connection.name}`);
  };
  const find = (event) => {
    event.preventDefault();
    location.hash = to("document", { number: event.target.find.value.trim() });
  };
  byId("top").replaceChildren(h("b", "F&O → TaxJar"),
    h("select", { "aria-label": "Company", onchange: ({ target }) => (location.hash = `#/${screen}/${target.value}`) }, pairs.map(option)),
    h("form", { role: "search", onsubmit: find }, h("input", { name: "find", type: "search", placeholder: "Invoice number", "aria-label": "Invoice number" })),
    h("span.right", h("b", you.name), ` ${you.roles.join(", ")} `, h("a", { href: "/.auth/logout?post_logout_redirect_uri=/api/console/" }, "Sign out")));
  const count = sum((company.open_work ?? []).filter(({ state }) => /held|failed/.test(state)), (work) => work.count);
  byId("nav").replaceChildren(...Object.entries(SCREENS).map(([name, [label]]) => h("a", { href: to(name), "aria-current": name === screen && "page" },
    label, name === "todo" && count > 0 && h("b.held", ` ${number(count)}`))));
  const pauses = (connection.pauses ?? []).filter((pause) => !pause.company || pause.company === company.id);
  byId("notices").replaceChildren(...pauses.map(({ side, until, reason }) => h("p.notice.held", h("b", `${words(side)} is paused`),
    until && [" until ", when(until)], `: ${reason} `, quiet("It goes on by itself."))),
  company.reporting === false ? h("p.notice.held", "Reporting is off: documents are counted, nothing is sent.") : "");
}

/** Show what the address says; the status is asked again when it is old or something was done. */
async function show(anew) {
  const mine = ++turn, done = anew === true;
  let shown;
  main.ariaBusy = "true";
  try {
    if (done || Date.now() - asked > FRESH) [status, asked] = [await get("status"), Date.now()];
    const ctx = contextOf(mine);
    header(ctx);
    shown = await SCREENS[ctx.screen][1](ctx);
  } catch (trouble) {
    shown = [h("h1", trouble.status === 401 ? "Please sign in" : "This did not work"), problem(trouble, () => show(true))];
  }
  if (mine !== turn) return;
  main.replaceChildren(...shown.flat().filter(Boolean));
  main.ariaBusy = null;
  const title = main.querySelector("h1");
  document.title = `${title.textContent} – F&O → TaxJar`;
  title.tabIndex = -1;
  if (mine > 1 && !done) title.focus();
}

addEventListener("hashchange", show);
show();
