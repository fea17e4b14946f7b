
"use strict";
// The page asks this server alone, over the routes that every client has, and keeps nothing: the key stays in its field.

const page = location.pathname.endsWith("/") ? location.pathname : location.pathname + "/";
const find = (id) => document.getElementById(id);
const state = { models: [], model: null, tab: "" };

// ---- Elements

// el("p", {class: "hint"}, "text", child): attributes that are functions are listeners; false and null are left out.
function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (key === "text") made.textContent = value;
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

let count = 0;
// A label and what it labels.
function field(label, control, hint) {
  control.id = control.id || `f${++count}`;
  const note = hint ? el("span", { class: "quiet", id: control.id + "-hint", text: hint }) : null;
  if (note) control.setAttribute("aria-describedby", note.id);
  return el("div", { class: "field" }, el("label", { for: control.id, text: label }), control, note);
}
const area = (value, rows) => {
  const made = el("textarea", { rows, spellcheck: "false" });
  made.value = value;
  return made;
};
const input = (value, attributes = {}) => {
  const made = el("input", { type: "text", autocomplete: "off", ...attributes });
  made.value = value;
  return made;
};
const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);
const number = (value, digits = 3) => (Math.abs(value) >= 1000 ? value.toFixed(0) : value.toFixed(digits));
const share = (value, low, high) => (high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 1);

// What a screen reader hears of a result.
function say(text) {
  find("said").textContent = "";
  setTimeout(() => { find("said").textContent = text; }, 50);
}

// ---- Requests

class Refused extends Error {}

function wordsOf(status, text, headers) {
  let words = "";
  try {
    const body = JSON.parse(text);
    const error = body.error ?? body.detail ?? body.message;
    words = typeof error === "string" ? error : error?.message ?? JSON.stringify(error ?? body);
  } catch {
    words = text.trim();
  }
  const known = {
    401: "This server asks for an API key, and has not got the right one: write it into the field API key.",
    413: "The request is too large for this server.",
    429: `The server has enough to do${headers.get("Retry-After") ? `; try again in ${headers.get("Retry-After")} s` : ""}.`,
    503: "The server is not ready.",
  }[status];
  const said = words && words !== "Unauthorized" ? words : "";
  return [known, said].filter(Boolean).join("\n") || `The server answered with status ${status}.`;
}

function headersOf(withBody) {
  const headers = withBody ? { "Content-Type": "application/json" } : {};
  const key = find("key").value.trim();
  if (key) headers.Authorization = `Bearer ${key}`;
  return headers;
}

async function ask(path, body, signal) {
  let answer;
  try {
    answer = await fetch(page + path, body === undefined
      ? { headers: headersOf(false), signal }
      : { method: "POST", headers: headersOf(true), body: JSON.stringify(body), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The server does not answer: it may have ended, or the network is down.");
  }
  if (!answer.ok) throw new Refused(wordsOf(answer.status, await answer.text(), answer.headers));
  return answer;
}

// ---- The same as a command

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
const url = (path) => location.origin + page + path;

function asCurl(path, body, keyed) {
  const parts = [`curl${body.stream ? " -N" : ""} ${quoted(url(path))}`, `-H 'Content-Type: application/json'`];
  if (keyed) parts.push(`-H "Authorization: Bearer $VECTON_API_KEY"`);
  parts.push(`-d ${quoted(JSON.stringify(body))}`);
  return parts.join(" \\\n  ");
}

// A value of JSON as Python writes it.
function literal(value, indent = "") {
  const deeper = indent + "    ";
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) {
    if (!value.length) return "[]";
    return `[\n${value.map((item) => deeper + literal(item, deeper)).join(",\n")},\n${indent}]`;
  }
  if (typeof value === "object") {
    const members = Object.entries(value).map(([key, item]) => `${deeper}${JSON.stringify(key)}: ${literal(item, deeper)}`);
    return members.length ? `{\n${members.join(",\n")},\n${indent}}` : "{}";
  }
  return JSON.stringify(value);
}

function asPython(path, body, keyed) {
  return [
    "import json",
    keyed ? "import os" : null,
    "import urllib.request",
    "",
    `body = ${literal(body)}`,
    `headers = {"Content-Type": "application/json"}`,
    keyed ? `headers["Authorization"] = "Bearer " + os.environ["VECTON_API_KEY"]` : null,
    `request = urllib.request.Request(${JSON.stringify(url(path))}, json.dumps(body).encode(), headers)`,
    "with urllib.request.urlopen(request) as answer:",
    body.stream ? "    for line in answer:\n        print(line.decode().rstrip())" : "    print(json.dumps(json.load(answer), indent=2))",
    "",
  ].filter((line) => line !== null).join("\n");
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {  // no secure context
    const hidden = el("textarea", { class: "hidden" });
    hidden.value = text;
    document.body.append(hidden);
    hidden.select();
    document.execCommand("copy");
    hidden.remove();
    button.focus();
  }
  const label = button.textContent;
  button.textContent = "Copied";
  say("Copied");
  setTimeout(() => { button.textContent = label; }, 1500);
}

// Long texts, such as pictures, are shown by their beginning.
function shown(value) {
  return JSON.stringify(value, (key, item) =>
    typeof item === "string" && item.length > 400 ? `${item.slice(0, 60)}... (${item.length} characters)`
      : Array.isArray(item) && item.length > 24 && typeof item[0] === "number" ? [...item.slice(0, 6), `... (${item.length} numbers)`]
        : item, 2);
}

// ---- What every panel has: a form, the result, what was sent

// run(send, result, signal) asks and shows, and gives what a screen reader hears; `send` is its one way to ask.
function panel({ id, title, hint, fields, run, button = "Send", extra = [] }) {
  const result = el("section", { class: "result", "aria-label": "Result", hidden: true });
  const problem = el("div", { class: "problem", role: "alert", hidden: true });
  const warning = el("p", { class: "warning", hidden: true });
  const sent = el("div", { hidden: true });
  const submit = el("button", { class: "main", type: "submit", text: button });
  const stop = el("button", { type: "button", text: "Stop", hidden: true, click: () => controller?.abort() });
  let controller = null, last = null;

  async function send(path, body, read) {
    const started = performance.now();
    const keyed = Boolean(find("key").value.trim());
    last = { path, body, keyed, answer: null };
    showSent(sent, last);
    const answer = await ask(path, body, controller.signal);
    const warned = answer.headers.get("Warning");
    if (warned) {
      warning.textContent = warned.replaceAll(/299 vecton "((?:[^"\\]|\\.)*)"/g, "$1");
      warning.hidden = false;
    }
    const value = read ? await read(answer) : await answer.json();
    last.answer = value;
    last.milliseconds = performance.now() - started;
    last.tokens = value?.usage?.total_tokens ?? Number(answer.headers.get("x-compute-tokens") || 0);
    showSent(sent, last);
    return value;
  }

  const form = el("form", {
    submit: async (event) => {
      event.preventDefault();
      if (controller) return;
      controller = new AbortController();
      submit.disabled = true;
      stop.hidden = false;
      problem.hidden = warning.hidden = true;
      form.setAttribute("aria-busy", "true");
      try {
        const heard = await run(send, result, controller.signal);
        result.hidden = false;
        if (heard) say(heard);
      } catch (error) {
        if (error.name === "AbortError") {
          say("Stopped");
        } else {
          result.hidden = true;  // it is of what was sent before
          problem.textContent = error instanceof Refused ? error.message : `The page could not show the answer: ${error.message}`;
          problem.hidden = false;
        }
      } finally {
        form.removeAttribute("aria-busy");
        submit.disabled = false;
        if (document.activeElement === stop) submit.focus();
        stop.hidden = true;
        controller = null;
      }
    },
    keydown: (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        form.requestSubmit();
      }
    },
  }, ...fields, el("div", { class: "row" }, submit, stop, ...extra));
  return {
    id, title, form,
    section: el("section", { id: `panel-${id}`, role: "tabpanel", "aria-labelledby": `tab-${id}`, hidden: true, tabindex: "0" },
      el("h2", { text: title }), el("p", { class: "hint", text: hint }), form, problem, warning, result, sent),
  };
}

function showSent(place, { path, body, keyed, answer, milliseconds, tokens }) {
  const open = place.querySelector("details")?.open ?? false;
  const focused = place.contains(document.activeElement) ? document.activeElement.textContent : "";
  const button = (text, make) => el("button", { class: "small", type: "button", text, click: (event) => copy(make(path, body, keyed), event.target) });
  const took = milliseconds === undefined ? "" : `${milliseconds.toFixed(0)} ms${tokens ? `, ${tokens} token${tokens === 1 ? "" : "s"}` : ""}`;
  place.replaceChildren(
    el("div", { class: "sent" }, el("span", {}, el("code", { text: `POST /${path}` }), took ? `  ${took}` : ""),
      button("Copy as curl", asCurl), button("Copy as Python", asPython)),
    el("details", { open }, el("summary", { text: "What was sent and answered" }),
      el("pre", { tabindex: "0", "aria-label": "Sent", text: shown(body) }),
      answer === null ? null : el("pre", { tabindex: "0", "aria-label": "Answered", text: typeof answer === "string" ? answer : shown(answer) })));
  place.hidden = false;
  if (focused) [...place.querySelectorAll("button, summary")].find((one) => one.textContent === focused)?.focus();
}

// ---- Pictures

function pictures(label, several) {
  const list = el("ul", { class: "pictures", "aria-label": "Chosen pictures" });
  const chosen = [];
  const show = () => list.replaceChildren(...chosen.map((picture, index) =>
    el("li", {}, el("img", { src: picture.url, alt: picture.name }), el("span", { text: picture.name }),
      el("button", { class: "small", type: "button", text: "Remove", "aria-label": `Remove ${picture.name}`, click: () => {
        chosen.splice(index, 1);
        show();
        chooser.focus();
      } }))));
  const add = async (files) => {
    const read = await Promise.all([...files].filter((file) => file.type.startsWith("image/")).map((file) => new Promise((done, fail) => {
      const reader = new FileReader();
      reader.onload = () => done({ name: file.name, url: reader.result });
      reader.onerror = () => fail(reader.error);
      reader.readAsDataURL(file);
    })));
    if (!read.length) return;
    if (!several) chosen.length = 0;
    chosen.push(...(several ? read : read.slice(0, 1)));
    show();
    say(`${read.length === 1 ? read[0].name : `${read.length} pictures`} chosen`);
  };
  const chooser = el("input", { type: "file", accept: "image/*", multiple: several, change: () => { add(chooser.files); chooser.value = ""; } });
  const place = el("div", {
    class: "drop",
    dragover: (event) => { event.preventDefault(); place.classList.add("over"); },
    dragleave: () => place.classList.remove("over"),
    drop: (event) => { event.preventDefault(); place.classList.remove("over"); add(event.dataTransfer.files); },
  }, field(label, chooser, "or drop it here"), list);
  return { place, chosen, clear: () => { chosen.length = 0; show(); } };
}

// ---- Parts of results

// rows: [{what, value, text}], longest bar first at 1.
function bars(rows) {
  const values = rows.map((row) => row.value);
  const low = Math.min(0, ...values), high = Math.max(...values, low + 1e-9, values.every((v) => v >= 0 && v <= 1) ? 1 : -Infinity);
  return el("ol", { class: "bars" }, ...rows.map((row) => {
    const bar = el("i");
    bar.style.setProperty("--share", share(row.value, low, high));
    return el("li", {}, el("span", { class: "what" }, row.what), el("span", { class: "value", text: row.text ?? number(row.value) }),
      el("span", { class: "bar", "aria-hidden": "true" }, bar));
  }));
}

// A table whose cells have the colour of their value. Heads are texts or elements.
function heat(caption, heads, side, values, best = () => false) {
  const all = values.flat(), low = Math.min(...all), high = Math.max(...all);
  const head = (content, scope) => el("th", { scope }, typeof content === "string" ? content : content.cloneNode(true));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {}, el("caption", { class: "hidden", text: caption }),
      el("thead", {}, el("tr", {}, el("td"), ...heads.map((content) => head(content, "col")))),
      el("tbody", {}, ...values.map((line, i) => el("tr", {}, head(side[i], "row"), ...line.map((value, j) => {
        const cell = el("td", { class: best(i, j) ? "heat best" : "heat", text: number(value, 2) });
        cell.style.setProperty("--heat", share(value, low, high));
        return cell;
      }))))));
}

const cut = (text, most = 48) => ([...text].length > most ? [...text].slice(0, most - 1).join("") + "…" : text);
const visible = (text) => text.replaceAll("\n", "⏎").replaceAll(" ", "␣") || "∅";

// ---- Panels

const is = (task) => (model) => model.tasks.includes(task);
const sees = () => Boolean(state.model?.input_modalities?.includes("image"));

function dot(a, b) {
  let sum = 0, left = 0, right = 0;
  for (let i = 0; i < a.length; ++i) { sum += a[i] * b[i]; left += a[i] * a[i]; right += b[i] * b[i]; }
  return sum / Math.sqrt(left * right || 1);
}

function similarity() {
  const texts = area("A cat naps in the sun.\nThe kitten is asleep.\nStocks fell sharply today.\nMarkets closed lower.", 6);
  const images = sees() ? pictures("Pictures", true) : null;
  const vectors = state.model.tasks.includes("embed");
  return panel({
    id: "similarity", title: "Similarity", button: "Compare",
    hint: vectors ? "Every text against every other: the cosine of their embeddings." : "Every text against every other, by the model's own score.",
    fields: [field("Texts, one on a line", texts), images?.place],
    async run(send, result) {
      const items = lines(texts.value);
      const shownPictures = images?.chosen ?? [];
      const names = [...items.map((text) => cut(text)),
        ...shownPictures.map((picture) => el("span", {}, el("img", { src: picture.url, alt: picture.name })))];
      if (names.length < 2) throw new Refused("Write at least two texts, each on a line of its own.");
      let values;
      if (vectors) {
        const given = [...items, ...shownPictures.map((picture) => ({ image: picture.url }))];
        const answer = await send("v1/embeddings", { model: state.model.id, input: given });
        const rows = answer.data.map((row) => row.embedding);
        values = rows.map((a) => rows.map((b) => dot(a, b)));
      } else {
        const given = [...items, ...shownPictures.map((picture) => ({ content: [{ type: "image_url", image_url: { url: picture.url } }] }))];
        if (given.length > 16) throw new Refused("At most 16 texts are compared with each other here.");
        const answer = await send("score", { model: state.model.id, text_1: given.flatMap((one) => given.map(() => one)), text_2: given.flatMap(() => given) });
        values = given.map((_, i) => given.map((_, j) => answer.data[i * given.length + j].score));
      }
      const pairs = values.flatMap((line, i) => line.slice(i + 1).map((value, j) => [value, i, i + 1 + j])).sort((a, b) => b[0] - a[0]);
      const word = (i) => (typeof names[i] === "string" ? names[i] : shownPictures[i - items.length].name);
      result.replaceChildren(heat("Similarity of every text to every other", names, names, values),
        el("h3", { text: "Most alike" }), bars(pairs.slice(0, 5).map(([value, i, j]) => ({ what: `${word(i)}  ↔  ${word(j)}`, value }))));
      return `Most alike: ${word(pairs[0][1])} and ${word(pairs[0][2])}, ${number(pairs[0][0])}`;
    },
  });
}

function rerank() {
  const query = input("How do plants make energy?");
  const documents = area("Photosynthesis turns light into sugar.\nThe stock market fell on Monday.\nLeaves hold chlorophyll, which takes in light.\nTrains run every hour.", 6);
  const images = sees() ? pictures("Pictures among the documents", true) : null;
  return panel({
    id: "rerank", title: "Rank", button: "Rank", hint: "Documents in the order in which they answer the query.",
    fields: [field("Query", query), field("Documents, one on a line", documents), images?.place],
    async run(send, result) {
      const seen = images?.chosen ?? [];
      const given = [...lines(documents.value), ...seen.map((picture) => ({ content: [{ type: "image_url", image_url: { url: picture.url } }] }))];
      if (!given.length) throw new Refused("Write at least one document.");
      const answer = await send("v1/rerank", { model: state.model.id, query: query.value, documents: given });
      const word = (index) => (typeof given[index] === "string" ? given[index] : seen[index - (given.length - seen.length)].name);
      result.replaceChildren(bars(answer.results.map((row) => ({ what: word(row.index), value: row.relevance_score, text: number(row.relevance_score, 4) }))));
      return `First: ${word(answer.results[0].index)}, ${number(answer.results[0].relevance_score)}`;
    },
  });
}

function tokens() {
  const text = area("Tokenization: naïve café, 42 years", 3);
  const special = el("input", { type: "checkbox" });
  special.checked = true;
  return panel({
    id: "tokens", title: "Tokens", button: "Tokenize", hint: "What the model reads: tokens and their ids.",
    fields: [field("Text", text), el("div", { class: "field" }, el("label", { class: "check" }, special, "with the tokenizer's special tokens"))],
    async run(send, result) {
      const answer = await send("tokenize", { model: state.model.id, prompt: text.value, add_special_tokens: special.checked, return_token_strs: true });
      result.replaceChildren(
        el("p", { text: `${answer.count} tokens, of ${answer.max_model_len} that the model takes` }),
        el("ol", { class: "tokens" }, ...answer.tokens.map((id, i) => el("li", {},
          el("span", { class: "text", text: visible(answer.token_strs[i]) }), el("span", { class: "id", text: id })))));
      return `${answer.count} tokens`;
    },
  });
}

// Buttons of the query's tokens; choose(index) is called for one that is pressed, or -1.
function queryTokens(all, choose) {
  const buttons = all.map((token, index) => el("button", { type: "button", "aria-pressed": "false", click: () => press(index) },
    el("span", { class: "text", text: visible(token.text) }), el("span", { class: "id", text: token.id })));
  const press = (index) => {
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === index)));
    choose(index);
  };
  const first = Math.max(0, all.findIndex((token) => !token.special && token.text.trim()));
  return { list: el("ul", { class: "tokens", "aria-label": "Tokens of the query" }, ...buttons.map((button, i) =>
    el("li", { class: all[i].special ? "plain special" : "plain" }, button))), start: () => press(first) };
}

function tokenMatches(answer, result) {
  const side = answer.tokens, across = answer.document_tokens;
  const best = answer.similarities.map((line) => line.indexOf(Math.max(...line)));
  const flat = answer.similarities.flat(), low = Math.min(...flat), high = Math.max(...flat);
  const chips = across.map((token) => el("li", { class: "heat" },
    el("span", { class: "text", text: visible(token.text) }), el("span", { class: "id", text: "" })));
  const told = el("p", { role: "status" });
  const chooser = queryTokens(side, (index) => {
    answer.similarities[index].forEach((value, j) => {
      chips[j].style.setProperty("--heat", share(value, low, high));
      chips[j].classList.toggle("best", j === best[index]);
      chips[j].lastChild.textContent = number(value, 2);
    });
    told.textContent = `“${side[index].text.trim()}” is answered best by “${across[best[index]].text.trim()}”, ${number(answer.similarities[index][best[index]])}`;
  });
  const score = best.reduce((sum, j, i) => sum + answer.similarities[i][j], 0);
  result.replaceChildren(el("h3", { text: "Tokens of the query" }), chooser.list, told,
    el("h3", { text: "Tokens of the document" }), el("ol", { class: "tokens" }, ...chips),
    el("details", {}, el("summary", { text: "All of them as a table" }),
      heat("Similarity of the query's tokens, down, to the document's, across", across.map((t) => visible(t.text)), side.map((t) => visible(t.text)), answer.similarities, (i, j) => j === best[i])));
  chooser.start();
  return `The best matches of ${side.length} tokens add up to ${number(score)}`;
}

function patchMap(answer, picture, result) {
  const grids = answer.images.filter((grid) => answer.images.length === 1 || grid.width < 1 || grid.height < 1);
  const canvas = el("canvas", { role: "img", width: 640, height: 640 });
  const told = el("p", { role: "status" });
  const table = el("div");
  const draw = (index) => {
    const all = grids.flatMap((grid) => grid.similarities[index].flat()), low = Math.min(...all), high = Math.max(...all);
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    let best = null;
    for (const grid of grids) {
      grid.similarities[index].forEach((line, row) => line.forEach((value, column) => {
        const x = grid.left + (grid.width * column) / grid.columns, y = grid.top + (grid.height * row) / grid.rows;
        pen.fillStyle = `rgba(255, 72, 0, ${(0.72 * share(value, low, high) ** 2).toFixed(3)})`;
        pen.fillRect(x * canvas.width, y * canvas.height, (grid.width / grid.columns) * canvas.width, (grid.height / grid.rows) * canvas.height);
        if (!best || value > best.value) best = { value, row, column, grid, x, y };
      }));
    }
    pen.strokeStyle = "#fff";
    pen.lineWidth = 4;
    pen.strokeRect(best.x * canvas.width, best.y * canvas.height, (best.grid.width / best.grid.columns) * canvas.width, (best.grid.height / best.grid.rows) * canvas.height);
    told.textContent = `“${answer.tokens[index].text.trim()}” is answered best by row ${best.row + 1}, column ${best.column + 1} of ${best.grid.rows} × ${best.grid.columns} patches, ${number(best.value)}`;
    canvas.setAttribute("aria-label", told.textContent);
    table.replaceChildren(...grids.map((grid, i) => heat(`Values of the patches${grids.length > 1 ? `, tile ${i + 1}` : ""}`,
      Array.from({ length: grid.columns }, (_, j) => String(j + 1)), Array.from({ length: grid.rows }, (_, j) => String(j + 1)), grid.similarities[index])));
  };
  const chooser = queryTokens(answer.tokens, draw);
  const seen = el("img", { src: picture.url, alt: picture.name, load: () => {
    canvas.height = Math.round((640 * seen.naturalHeight) / seen.naturalWidth) || 640;
    chooser.start();
  } });
  result.replaceChildren(el("h3", { text: "Tokens of the query" }), chooser.list, told, el("div", { class: "map" }, seen, canvas),
    el("details", {}, el("summary", { text: "The values as a table" }), table));
  return `${answer.tokens.length} tokens, ${grids.length === 1 ? "one grid" : `${grids.length} tiles`} of patches`;
}

function matches() {
  const query = input("Which animal sleeps?");
  const text = area("The kitten was asleep in the warm sun.", 3);
  const image = sees() ? pictures("Picture, instead of the document's text", false) : null;
  return panel({
    id: "matches", title: "Matches", button: "Match",
    hint: `Which tokens of a document${sees() ? ", or patches of a picture," : ""} answer each token of a query; late interaction sums the best of each.`,
    fields: [field("Query", query), field("Document", text), image?.place],
    async run(send, result) {
      const picture = image?.chosen[0];
      const answer = await send("similarity_map", { model: state.model.id, query: query.value, document: picture ? { image: picture.url } : text.value });
      return picture ? patchMap(answer, picture, result) : tokenMatches(answer, result);
    },
  });
}

function classify() {
  const text = area("I loved every minute of it.", 3);
  const second = area("", 2);
  return panel({
    id: "classify", title: "Classify", button: "Classify", hint: "How likely each label is.",
    fields: [field("Text", text), field("Second text, for models of pairs (may be empty)", second)],
    async run(send, result) {
      const pair = second.value.trim() ? [[text.value, second.value]] : [[text.value]];
      const answer = await send("predict", { model: state.model.id, inputs: pair });
      const rows = Array.isArray(answer[0]) ? answer[0] : answer;
      result.replaceChildren(bars(rows.map((row) => ({ what: String(row.label), value: row.score }))));
      return `${rows[0].label}, ${number(rows[0].score)}`;
    },
  });
}

function tag() {
  const text = area("Ada Lovelace lived in London and wrote to Charles Babbage.", 3);
  const how = el("select", {}, ...["simple", "first", "average", "max", "none"].map((name) => el("option", { text: name })));
  return panel({
    id: "tag", title: "Tag", button: "Tag", hint: "Names and other spans of a text.",
    fields: [field("Text", text), field("Tokens become entities by", how)],
    async run(send, result) {
      const answer = await send("token_classify", { model: state.model.id, inputs: text.value, aggregation_strategy: how.value });
      const entities = (Array.isArray(answer[0]) ? answer[0] : answer).sort((a, b) => a.start - b.start);
      const letters = [...text.value];
      const pieces = [];
      let at = 0;
      for (const entity of entities) {
        if (entity.start < at) continue;
        const label = String(entity.entity_group ?? entity.entity);
        pieces.push(letters.slice(at, entity.start).join(""),
          el("mark", {}, letters.slice(entity.start, entity.end).join(""), el("small", { text: label })));
        at = entity.end;
      }
      pieces.push(letters.slice(at).join(""));
      result.replaceChildren(el("p", { class: "tagged" }, ...pieces), el("h3", { text: entities.length ? "Spans" : "The model sees none here." }),
        bars(entities.map((entity) => ({ what: `${entity.word ?? ""}  ${entity.entity_group ?? entity.entity}`, value: entity.score }))));
      return entities.length === 1 ? "One span" : `${entities.length} spans`;
    },
  });
}

function fill() {
  const text = area("Paris is the [MASK] of France.", 3);
  let mask = "[MASK]";
  // The model's own word for it: the one that its tokenizer reads as one special token.
  const known = ["[MASK]", "<mask>", "<|mask|>", "[mask]"];
  ask("tokenize", { model: state.model.id, inputs: known, add_special_tokens: false }).then((answer) => answer.json()).then((rows) => {
    const index = rows.findIndex((row, i) => row.length === 1 && row[0].text.trim() === known[i]);
    if (index < 0) return;
    if (text.value.includes(mask)) text.value = text.value.replace(mask, known[index]);
    mask = known[index];
  }).catch(() => {});
  const insert = el("button", { type: "button", text: "Insert a mask", click: () => {
    text.setRangeText(mask, text.selectionStart, text.selectionEnd, "end");
    text.focus();
  } });
  return panel({
    id: "fill", title: "Fill", button: "Fill", hint: "The likeliest words in place of a mask.",
    fields: [field("Text with a mask", text)], extra: [insert],
    async run(send, result) {
      const answer = await send("fill_mask", { model: state.model.id, inputs: text.value, top_k: 8 });
      const masks = Array.isArray(answer[0]) ? answer : [answer];
      result.replaceChildren(...masks.flatMap((rows, i) => [
        masks.length > 1 ? el("h3", { text: `Mask ${i + 1}` }) : null,
        bars(rows.map((row) => ({ what: row.token_str.trim() || row.token_str, value: row.score })))].filter(Boolean)));
      return masks.map((rows) => rows[0].token_str.trim()).join(", ");
    },
  });
}

// The data of server-sent events, one by one.
async function* events(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const parts = rest.split(/\r?\n\r?\n/);
    rest = parts.pop();
    for (const part of parts) {
      const data = part.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trim()).join("\n");
      if (data === "[DONE]") return;
      if (data) yield JSON.parse(data);
    }
  }
}

// Adds what comes to `show`; gives what was counted.
async function streamed(answer, show) {
  let usage = null, reason = null;
  for await (const event of events(answer)) {
    if (event.error) throw new Refused(event.error.message ?? String(event.error));
    if (event.usage) usage = event.usage;
    const choice = event.choices?.[0];
    if (!choice) continue;
    reason = choice.finish_reason ?? reason;
    show(choice);
  }
  return { usage, finish_reason: reason };
}

const generationFields = () => {
  const most = input("256", { type: "number", min: "1", step: "1" });
  const warmth = input("", { type: "number", min: "0", max: "2", step: "0.1", placeholder: "model's" });
  return {
    row: el("div", { class: "row" }, field("Tokens at most", most), field("Temperature", warmth)),
    body: () => ({
      max_tokens: Math.max(1, Math.round(Number(most.value)) || 256),
      ...(warmth.value.trim() ? { temperature: Number(warmth.value) } : {}),
      stream: true, stream_options: { include_usage: true },
    }),
  };
};

function chat() {
  const system = input("");
  const text = area("", 3);
  const images = sees() ? pictures("Picture", true) : null;
  const options = generationFields();
  const talk = el("ol", { class: "talk", "aria-label": "Conversation" });
  let messages = [];
  const clear = el("button", { type: "button", text: "New conversation", click: () => {
    messages = [];
    talk.replaceChildren();
    text.focus();
  } });
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    text.form.requestSubmit();
  });
  const turn = (who, said, shownPictures = []) => {
    const place = el("span", { class: "said", text: said });
    const thought = el("span", { class: "said quiet" });
    const thinking = el("details", { hidden: true }, el("summary", { text: "Thinking" }), thought);
    talk.append(el("li", { class: who }, el("span", { class: "who", text: who === "user" ? "You" : "Model" }), thinking, place,
      ...shownPictures.map((picture) => el("img", { src: picture.url, alt: picture.name }))));
    return { place, thought, thinking };
  };
  return panel({
    id: "chat", title: "Chat", button: "Send", hint: "Enter sends, Shift and Enter begin a new line.",
    fields: [talk, field("Message", text), images?.place, field("System message (may be empty)", system), options.row], extra: [clear],
    async run(send, result, signal) {
      const said = text.value.trim(), seen = images ? [...images.chosen] : [];
      if (!said && !seen.length) throw new Refused("Write a message first.");
      const content = seen.length ? [...seen.map((picture) => ({ type: "image_url", image_url: { url: picture.url } })), { type: "text", text: said }] : said;
      const before = messages;
      messages = [...messages, { role: "user", content }];
      const mine = turn("user", said, seen);
      const theirs = turn("assistant", "");
      text.value = "";
      images?.clear();
      const whole = system.value.trim() ? [{ role: "system", content: system.value }, ...messages] : messages;
      let words = "";
      const keep = () => { messages = [...messages, { role: "assistant", content: words }]; };
      try {
        await send("v1/chat/completions", { model: state.model.id, messages: whole, ...options.body() }, async (answer) => {
          const end = await streamed(answer, (choice) => {
            const thought = choice.delta?.reasoning_content ?? choice.delta?.reasoning;
            if (thought) {
              theirs.thinking.hidden = false;
              theirs.thought.textContent += thought;
            }
            words += choice.delta?.content ?? "";
            theirs.place.textContent = words;
          });
          return { content: words, ...end };
        });
        keep();
      } catch (error) {
        if (error.name === "AbortError") {
          keep();
          throw error;
        }
        messages = before;
        theirs.place.parentElement.remove();
        mine.place.parentElement.remove();
        text.value = said;
        throw error;
      } finally {
        text.focus();
      }
      return `The model: ${words}`;
    },
  });
}

function write() {
  const prompt = area("Once upon a time", 3);
  const options = generationFields();
  return panel({
    id: "write", title: "Continue", button: "Continue", hint: "What the model writes after a text, without a chat template.",
    fields: [field("Text", prompt), options.row],
    async run(send, result) {
      const given = prompt.value, place = el("span");
      result.replaceChildren(el("div", { class: "output" }, el("span", { class: "given", text: given }), place));
      result.hidden = false;
      await send("v1/completions", { model: state.model.id, prompt: given, ...options.body() }, async (answer) => {
        const end = await streamed(answer, (choice) => { place.textContent += choice.text ?? ""; });
        return { text: place.textContent, ...end };
      });
      return place.textContent;
    },
  });
}

const kinds = [
  { make: chat, fits: is("generate") },
  { make: write, fits: is("generate") },
  { make: similarity, fits: (model) => model.tasks.includes("embed") || ["late-interaction", "bi-encoder"].includes(model.scorer) },
  { make: rerank, fits: (model) => Boolean(model.scorer) },
  { make: matches, fits: (model) => model.scorer === "late-interaction" },
  { make: classify, fits: (model) => model.tasks[0] === "classify" },
  { make: tag, fits: (model) => model.tasks[0] === "token_classify" },
  { make: fill, fits: is("fill_mask") },
  { make: tokens, fits: () => true },
];

// ---- Tabs and models

function showPanels() {
  const made = kinds.filter((kind) => kind.fits(state.model)).map((kind) => kind.make());
  const tabs = made.map((one) => el("button", { id: `tab-${one.id}`, role: "tab", type: "button", "aria-controls": `panel-${one.id}`, text: one.title,
    click: () => select(one.id), keydown: (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      const here = made.indexOf(one);
      const next = Math.abs(step) === 1 ? (here + step + made.length) % made.length : step < 0 ? 0 : made.length - 1;
      select(made[next].id);
      tabs[next].focus();
    } }));
  const select = (id) => {
    state.tab = id;
    made.forEach((one, i) => {
      one.section.hidden = one.id !== id;
      tabs[i].setAttribute("aria-selected", String(one.id === id));
      tabs[i].tabIndex = one.id === id ? 0 : -1;
    });
  };
  find("tabs").replaceChildren(...tabs);
  find("panels").replaceChildren(...made.map((one) => one.section));
  select(made.some((one) => one.id === state.tab) ? state.tab : made[0].id);
}

function describe(model) {
  const about = [model.tasks.join(", "), model.scorer ? `scores as a ${model.scorer}` : "", model.max_model_len ? `up to ${model.max_model_len} tokens` : "", model.input_modalities.includes("image") ? "reads pictures" : ""];
  find("about").textContent = about.filter(Boolean).join(" · ");
}

async function choose(id) {
  const model = state.models.find((one) => one.id === id);
  state.model = model;
  complain("");
  if (model.tasks) {
    describe(model);
    return showPanels();
  }
  // One that sleeps, or loads: a request wakes it, and is answered when it is there.
  find("tabs").replaceChildren();
  find("panels").replaceChildren();
  find("about").textContent = "The model is loading...";
  try {
    await ask("tokenize", { model: id, prompt: "a" });
    if (state.model === model) load();
  } catch (error) {
    complain(error.message);
  }
}

function complain(text) {
  find("notice").textContent = text;
  find("notice").hidden = !text;
}

let loading = 0;
async function load() {
  const mine = ++loading;
  try {
    const { data } = await (await ask("v1/models")).json();
    if (mine !== loading) return;
    complain("");
    // What a model does is known once it is loaded.
    const before = state.models.find((model) => model.id === state.model?.id);
    state.models = data;
    find("model").replaceChildren(...data.map((model) => el("option", { value: model.id, text: model.tasks ? model.id : `${model.id} (not loaded)` })));
    if (!data.length) throw new Refused("The server has no model.");
    const next = data.find((model) => model.id === before?.id) ?? data.find((model) => model.tasks) ?? data[0];
    find("model").value = next.id;
    if (!before?.tasks || next.id !== before.id) await choose(next.id);
    else state.model = next;
  } catch (error) {
    if (mine !== loading) return;
    find("about").textContent = "";
    complain(error.message);
    if (!find("key").value && error.message.includes("API key")) find("key").focus();
  }
}

find("model").addEventListener("change", () => choose(find("model").value));
find("key").addEventListener("change", load);
find("key").addEventListener("keydown", (event) => { if (event.key === "Enter") load(); });
const theme = find("theme");
const paint = () => { document.documentElement.dataset.theme = theme.value; };
try {
  theme.value = localStorage.getItem("vecton-theme") ?? "";
} catch { /* no storage: as the system */ }
theme.addEventListener("change", () => {
  paint();
  try {
    localStorage.setItem("vecton-theme", theme.value);
  } catch { /* for this visit alone */ }
});
paint();
load();
