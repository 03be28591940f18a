// The shell: calls of the API, which screen, for which company.
import { button, form, h, link, many, number, quiet, sum, when, words } from "./kit.js";

const BASE = "/api/people/", RANKS = ["viewer", "operator", "approver"], FRESH = 20000;
// Label and module; the module's function has the screen's name.
const SCREENS = {
  month: ["Month", "periods"], todo: ["To do", "documents"], document: ["Document", "documents"],
    reconciliation: ["Reconciliation", "records"],
  filing: ["Filing", "periods"], running: ["Running?", "records"], activity: ["Activity", "records"], backfill: ["Backfill", "records"],
  customers: ["Customers and nexus", "records"],
};
const byId = (id) => document.getElementById(id), main = byId("main"), encoded = (parts) => parts.map(encodeURIComponent).join("/");
let status, asked = 0, turn = 0;

function queryOf(query = {}) {
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  return text && `?${text}`;
}

// The JSON of an answer, or an Error in the API's own words.
async function call(method, path, query, body) {
  const headers = { Accept: "application/json", "X-Connector": "console", "Content-Type": "application/json" };
  const answer = await fetch(BASE + path + queryOf(query), { method, headers, body, redirect: "error" }).catch(() => {
    throw new Error("The app does not answer. Check the network, then try again.");
  });
  const json = await answer.json().catch(() => ({}));
  if (answer.ok) return json;
  const error = { message: `The app answered ${answer.status}.`, ...json.error };
  throw Object.assign(new Error(error.message), { status: answer.status, error, wait: Number(answer.headers.get("Retry-After")) });
}

const get = (path, query) => call("GET", path, query);
const act = (method, path, body = {}, query) => call(method, path, query, JSON.stringify(body));
const file = (format, path, query) => h("a.button", { href: BASE + path + queryOf({ ...query, format }) }, format.toUpperCase());

function problem({ message, status, wait }, again) {
  const way = /^(localhost|127\.0\.0\.1)$/.test(location.hostname) ? "local" : "aad",
    from = encodeURIComponent(location.pathname + location.hash);
  return h("div.notice.failed", { role: "alert" }, h("p", message), wait > 0 && h("p", `Try again in ${many(wait, "second")}.`),
    status === 401 ? link(`/.auth/login/${way}?post_login_redirect_uri=${from}`, "Sign in") : again && button("Try again", again));
}

// A part of a screen that loads by itself.
function part(waiting, load) {
  const box = h("div", h("p.quiet", waiting)), run = async () => {
    box.ariaBusy = "true";
    box.replaceChildren(...(await load().catch((trouble) => [problem(trouble, run)])).filter(Boolean));
    box.ariaBusy = null;
  };
  run();
  return box;
}

// Ask in a dialog, then `send(values)`; trouble is shown inside. Undefined when cancelled.
const ask = (title, { text, fields = [], values = {}, typed, label = title, send = () => true }) => new Promise((resolve) => {
  let result, busy;
  const said = h("div"), cancel = button("Cancel", () => dialog.close());
  const submit = async ({ typed: given, ...body }) => {
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
  const onclose = () => {
    dialog.remove();
    resolve(result);
  };
  const dialog = h("dialog", { "aria-label": title, onclose }, h("h2", title), text,
    form("stack", values, [...fields, typed && `typed|!|Type ${typed} to confirm`], label, submit, cancel), said);
  document.body.append(dialog);
  dialog.showModal();
});

// What every screen gets: the place, the person, the company, and how to go on.
function contextOf(mine) {
  const [address, text] = location.hash.slice(2).split("?"), [name, connection, id, ...rest] = address.split("/").map(decodeURIComponent);
  const screen = SCREENS[name] ? name : "month", query = Object.fromEntries(new URLSearchParams(text)), { connections, you } = status;
  const pairs = connections.flatMap((each) =>
    each.companies.map((company) => ({ connection: each, company, at: encoded([each.name, company.id]) })));
  const here = id ? pairs.find(({ at }) => at === encoded([connection, id])) : pairs[0];
  if (!here) throw new Error(id ? `There is no company ${id} in connection ${connection}.` : "No company is configured yet.");
  const to = (screen, query, ...rest) => `#/${screen}/${[here.at, ...rest.map(encodeURIComponent)].join("/")}${queryOf(query)}`;
  return {
    ...here, screen, rest, query, pairs, status, you, name: encodeURIComponent(here.connection.name), to, get, act, file, part, ask,
    may: (role) => you.roles.some((each) => RANKS.indexOf(each) >= RANKS.indexOf(role)),
    more: ({ next }) => next && h("p", link(to(screen, { ...query, ...Object.fromEntries(new URLSearchParams(next.split("?")[1])) }, ...rest),
      "Next page")),
    again: () => show(true),
    later: () => setTimeout(() => mine === turn && show(true), 2000),
  };
}

function header({ at, company, connection, pairs, screen, to, you }) {
  const onsubmit = (event) => {
    event.preventDefault();
    location.hash = to("document", { number: event.target.find.value.trim() });
  };
  byId("top").replaceChildren(h("b", "F&O → TaxJar"),
    h("select", { "aria-label": "Company", onchange: ({ target }) => (location.hash = `#/${screen}/${target.value}`) }, pairs.map((each) =>
      h("option", { value: each.at, selected: each.at === at }, `${each.company.id.toUpperCase()} · ${each.connection.name}`))),
    h("form", { role: "search", onsubmit },
      h("input", { name: "find", type: "search", placeholder: "Invoice number", "aria-label": "Invoice number" })),
    h("span.right", h("b", you.name), ` ${you.roles.join(", ")} `,
      link("/.auth/logout?post_logout_redirect_uri=/api/console/", "Sign out")));
  const count = sum(company.open_work.filter(({ state }) => /held|failed/.test(state)), (work) => work.count);
  byId("nav").replaceChildren(...Object.entries(SCREENS).map(([name, [label]]) =>
    h("a", { href: to(name), "aria-current": name === screen && "page" },
    label, name === "todo" && count > 0 && h("b.held", ` ${number(count)}`))));
  const pauses = connection.pauses.filter((pause) => !pause.company || pause.company === company.id);
  byId("notices").replaceChildren(...pauses.map(({ side, until, reason }) => h("p.notice.held", h("b", `${words(side)} is paused`),
    until && [" until ", when(until)], `: ${reason} `, quiet("It goes on by itself."))),
  company.reporting === false ? h("p.notice.held", "Reporting is off: documents are counted, nothing is sent.") : "");
}

// Show what the address says; the status is asked again when old or something was done.
async function show(anew) {
  const mine = ++turn, done = anew === true, spots = () => [...main.querySelectorAll("a, button, input, summary")];
  let shown;
  main.ariaBusy = "true";
  try {
    if (done || Date.now() - asked > FRESH) [status, asked] = [await get("status"), Date.now()];
    const ctx = contextOf(mine);
    header(ctx);
    shown = await (await import(`./${SCREENS[ctx.screen][1]}.js`))[ctx.screen](ctx);
  } catch (trouble) {
    shown = [h("h1", trouble.status === 401 ? "Please sign in" : "This did not work"), problem(trouble, () => show(true))];
  }
  if (mine !== turn) return;
  // Keep the focus.
  const spot = spots().indexOf(document.activeElement);
  main.replaceChildren(...shown.flat().filter(Boolean));
  main.ariaBusy = null;
  const title = main.querySelector("h1");
  document.title = `${title.textContent} – F&O → TaxJar`;
  title.tabIndex = -1;
  if (done) spots()[spot]?.focus();
  else if (mine > 1) title.focus();
}

addEventListener("hashchange", show);
show();
