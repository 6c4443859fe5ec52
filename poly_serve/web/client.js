// The page of a Poly server: one module, no build. Everything goes through the same routes that other clients use.

const $ = (id) => document.getElementById(id);

// ---- The server -----------------------------------------------------------------------------------------------------

const key = () => $("key").value.trim();

function address(path, query = {}) {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

async function request(path, options, query) {
  const headers = { Accept: "application/json", ...options.headers };
  if (key()) headers.Authorization = `Bearer ${key()}`;
  const response = await fetch(address(path, query), { ...options, headers });
  if (!response.ok) throw new Error(reason(await response.text()) || `the server answered ${response.status}`);
  return response;
}

async function ask(path, options = {}, query = {}) {
  return (await request(path, options, query)).json();
}

// Asks for work that tells how far it is: `onProgress` hears of that, and the last word is returned.
async function watch(path, options, query, onProgress) {
  const { body } = await request(path, options, query);
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let begun = "";
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    const blocks = (begun + piece.value).split("\n\n");
    begun = blocks.pop();
    for (const block of blocks) {
      const name = /^event:(.*)$/m.exec(block)?.[1];
      const data = name && JSON.parse(/^data:(.*)$/m.exec(block)[1]);
      if (name === "failed") throw new Error(data.message);
      if (name === "done") return data;
      if (name === "progress") onProgress(data);
    }
  }
  throw new Error("the connection was lost");
}

function reason(text) {
  try { return JSON.parse(text).message ?? text; } catch { return text; }
}

function post(path, body) {
  return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function item(list, ...parts) {
  const line = document.createElement("li");
  line.append(...parts);
  list.append(line);
  return line;
}

function complain(error) {
  $("notice").textContent = error ? error.message : "";
  $("notice").hidden = !error;
}

// Every action tells of its own failure, and takes back what was told before.
const acting = (action) => async (event) => {
  event?.preventDefault();
  complain(null);
  try { await action(event); } catch (error) { complain(error); }
};

// ---- Tabs -----------------------------------------------------------------------------------------------------------

const tabs = [...document.querySelectorAll("[role=tab]")];

function choose(tab) {
  for (const one of tabs) {
    const isChosen = one === tab;
    one.setAttribute("aria-selected", isChosen);
    one.tabIndex = isChosen ? 0 : -1;
    $(one.getAttribute("aria-controls")).hidden = !isChosen;
  }
  tab.focus();
}

for (const [place, tab] of tabs.entries()) {
  tab.addEventListener("click", () => choose(tab));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) tabs[(place + step + tabs.length) % tabs.length].click();
  });
}

// ---- Tasks: a chat over the WebSocket -------------------------------------------------------------------------------

let socket = null;
let answer = null;
let asked = "";
let turns = []; // what the next connection has to know, if this one is lost

function say(kind, text = "") {
  const line = element("p", `turn ${kind}`, text);
  $("transcript").append(line);
  line.scrollIntoView({ block: "end" });
  return line;
}

function settings() {
  const given = {};
  for (const input of document.querySelectorAll("[data-setting]")) {
    if (!input.validity.valid) throw new Error(`${input.dataset.setting}: ${input.validationMessage}`);
    if (input.value !== "") given[input.dataset.setting] = Number(input.value);
  }
  const stops = $("stops").value.split("\n").filter((line) => line);
  return stops.length ? { ...given, stop_sequences: stops } : given;
}

function schema() {
  const source = $("schema").value.trim();
  if (!source) return null;
  try { return JSON.parse(source); } catch (error) { throw new Error(`the schema is no JSON: ${error.message}`); }
}

// As an inline value of TOML: its texts are written as those of JSON, but for one character.
function toml(value) {
  if (value === null) throw new Error("TOML knows no null: keep this schema in a file, and name it as json_schema_file");
  if (Array.isArray(value)) return `[${value.map(toml).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value).replaceAll("\x7f", "\\u007f");
  const pairs = Object.entries(value).map(([name, inner]) => `${bare(name)} = ${toml(inner)}`);
  return pairs.length ? `{ ${pairs.join(", ")} }` : "{}";
}

const bare = (name) => (/^[\w-]+$/.test(name) ? name : toml(name));

function showToml() {
  try {
    const given = { ...($("system").value && { system: $("system").value }), ...settings() };
    const wanted = schema();
    if (wanted !== null) given.biaser = { json_schema: wanted };
    const lines = Object.entries(given).map(([name, value]) => `${name} = ${toml(value)}`);
    $("toml").textContent = [`[tasks.${bare($("task-name").value)}]`, ...lines].join("\n");
  } catch (error) {
    $("toml").textContent = error.message;
  }
}

function setBusy(isBusy) {
  $("send").disabled = isBusy;
  $("stop").hidden = !isBusy;
  if (!isBusy) answer = null;
}

function leave() {
  socket?.close();
  socket = null;
  setBusy(false);
}

function connect() {
  const url = address(`v1/task/${encodeURIComponent($("task-name").value)}/chat`, key() ? { api_key: key() } : {});
  url.protocol = url.protocol.replace("http", "ws");
  return new Promise((resolve, reject) => {
    const opening = new WebSocket(url, "poly.events.v1");
    opening.onopen = () => {
      const system = $("system").value || undefined;
      opening.send(JSON.stringify({ type: "open", system, history: turns }));
      resolve(opening);
    };
    opening.onerror = () => reject(new Error("the chat could not be opened: is the key right?"));
    opening.onmessage = ({ data }) => hear(JSON.parse(data));
    opening.onclose = () => {
      if (socket !== opening) return;
      if ($("send").disabled) say("error", "the connection was lost");
      leave();
    };
  });
}

function hear(event) {
  switch (event.type) {
    case "recalled":
      say("aside", event.hits.length ? `recalled ${event.hits.map((hit) => hit.source).join(", ")}` : "nothing recalled");
      break;
    case "truncated":
      say("aside", `the oldest ${event.n_turns} turns left the context`);
      break;
    case "thinking":
      $("transcript").lastChild?.classList.contains("thinking") || say("aside thinking");
      $("transcript").lastChild.textContent += event.text;
      break;
    case "token":
      answer ??= say("answer");
      addToken(answer, event);
      break;
    case "done": {
      const { usage, timings } = event;
      const pace = timings.decode_s ? (usage.completion_tokens / timings.decode_s).toFixed(1) : "–";
      say("aside", `${usage.completion_tokens} tokens, ${pace} tok/s, ${event.finish_reason}`);
      remember(answer?.textContent ?? "");
      break;
    }
    case "cancelled":
      say("aside", "stopped");
      remember(event.answer);
      break;
    case "error":
      say("error", event.message);
      remember(event.answer ?? null);
      break;
  }
}

// A turn is over, and the answer is what the server remembers of it; null if it forgets the prompt, too.
function remember(text) {
  if (text !== null) turns.push({ prompt: asked, answer: text });
  setBusy(false);
}

function addToken(line, { text, id, is_forced, logprobs }) {
  if (!$("task-tokens").checked) {
    line.append(text);
  } else {
    const token = element("span", is_forced ? "token forced" : "token", text);
    const likely = (logprobs?.alternatives ?? []).map((one) => `${JSON.stringify(one.text)} ${percent(one.logprob)}`);
    const chance = is_forced ? "the only one that was possible" : percent(logprobs?.logprob);
    token.title = [`token ${id}, ${chance}`, ...likely].join("\n");
    line.append(token);
  }
  line.scrollIntoView({ block: "end" });
}

const percent = (logprob) => (logprob == null ? "–" : `${(100 * Math.exp(logprob)).toFixed(1)} %`);

$("ask").addEventListener("submit", acting(async () => {
  const prompt = $("prompt").value;
  if (!prompt || answer || $("send").disabled) return;
  const wanted = schema();
  const bias = wanted === null ? null : { kind: "json_schema", source: JSON.stringify(wanted) };
  const looks = $("task-tokens").checked ? { logprobs: 3 } : {};
  const message = { type: "prompt", prompt, overrides: { ...settings(), ...looks }, schema: bias };
  setBusy(true);
  try {
    socket ??= await connect();
  } catch (error) {
    setBusy(false);
    throw error;
  }
  say("prompt", prompt);
  asked = prompt;
  $("prompt").value = "";
  socket.send(JSON.stringify(message));
}));

$("prompt").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("ask").requestSubmit();
  }
});

$("stop").addEventListener("click", () => socket?.send(JSON.stringify({ type: "cancel" })));

function begin() {
  leave();
  turns = [];
  $("transcript").replaceChildren();
  showToml();
  showSettings();
}

// What the task says now stands where another value can be put; a key that may not use everything is not told.
async function showSettings() {
  const now = await ask(`v1/task/${encodeURIComponent($("task-name").value)}/settings`).catch(() => ({}));
  for (const input of document.querySelectorAll("[data-setting]")) input.placeholder = now[input.dataset.setting] ?? "";
  $("system").placeholder = now.system ?? "in place of the task's own";
}

$("task-new").addEventListener("click", () => { begin(); $("prompt").focus(); });
$("task-name").addEventListener("change", begin);
$("tuning").addEventListener("input", showToml);
$("system").addEventListener("change", leave); // the next connection says it, with the chat so far
$("copy").addEventListener("click", acting(() => navigator.clipboard.writeText($("toml").textContent)));

// ---- Memories -------------------------------------------------------------------------------------------------------

const memory = () => `v1/memory/${encodeURIComponent($("memory-name").value)}`;

const chunks = (n) => (n === 1 ? "1 chunk" : `${n} chunks`);

$("search").addEventListener("submit", acting(async () => {
  const body = { prompt: $("query").value, n: Number($("count").value) };
  const { hits } = await post(`${memory()}/recall`, body);
  $("hits").replaceChildren();
  for (const hit of hits) {
    const page = hit.first_page ? `, page ${hit.first_page}` : "";
    const origin = [`${hit.source}${page}`, ...hit.headings].join(" > ");
    item($("hits"), element("p", "origin", `${origin}  ${hit.score.toFixed(2)}`), element("p", "", hit.text));
  }
  if (!hits.length) item($("hits"), "The memory holds nothing on that.");
}));

async function listDocuments() {
  if (!$("memory-name").value) return;
  const { documents } = await ask(`${memory()}/documents`);
  $("documents").replaceChildren();
  for (const { source, n_chunks } of documents) {
    const button = element("button", "", "Forget");
    button.type = "button";
    button.setAttribute("aria-label", `Forget ${source}`);
    button.addEventListener("click", acting(async () => {
      await ask(memory(), { method: "DELETE" }, { source });
      await listDocuments();
    }));
    item($("documents"), element("span", "", `${source}, ${chunks(n_chunks)}`), button);
  }
  if (!documents.length) item($("documents"), "Nothing yet.");
}

$("fill").addEventListener("submit", acting(async () => {
  for (const file of $("files").files) {
    const line = item($("taken"), `${file.name}: on its way …`);
    try {
      // The type is told by the name and the content; what the browser says of it is often nothing.
      const headers = { "Content-Type": "application/octet-stream" };
      const query = { source: file.name, detail: 1 };
      const last = await watch(memory(), { method: "PUT", headers, body: file }, query, ({ n_embedded, n_new }) => {
        line.textContent = `${file.name}: ${n_embedded} of ${n_new} new chunks`;
      });
      line.textContent = `${file.name}: ${last.outcome}, ${chunks(last.n_chunks)}`;
    } catch (error) {
      line.textContent = `${file.name}: ${error.message}`;
    }
  }
  await listDocuments();
}));

$("memory-name").addEventListener("change", acting(listDocuments));
$("tab-memory").addEventListener("click", acting(listDocuments)); // not before: a memory may have to be opened for it

// ---- Models ---------------------------------------------------------------------------------------------------------

const model = () => `v1/model/${encodeURIComponent($("model-name").value)}`;

$("look").addEventListener("submit", acting(async (event) => {
  const body = { prompt: $("text").value };
  if (event.submitter?.name === "embed") {
    drawEmbedding((await post(`${model()}/embedding`, body)).embedding);
    return;
  }
  const { tokens } = await post(`${model()}/tokenization`, body);
  $("tokens").replaceChildren(...tokens.map(({ text, token }) => {
    const made = element("span", "token", text);
    made.append(element("small", "", token));
    return made;
  }));
}));

function drawEmbedding(values) {
  const [canvas, caption] = $("embedding").children;
  const pen = canvas.getContext("2d");
  const greatest = Math.max(...values.map(Math.abs)) || 1;
  const width = canvas.width / values.length;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = getComputedStyle(document.body).getPropertyValue("color");
  for (const [place, value] of values.entries()) {
    const height = (value / greatest) * (canvas.height / 2);
    pen.fillRect(place * width, canvas.height / 2 - Math.max(height, 0), Math.max(width, 0.5), Math.abs(height));
  }
  caption.textContent = `${values.length} numbers, of length ${Math.hypot(...values).toFixed(3)}`;
  $("embedding").hidden = false;
}

// ---- What there is --------------------------------------------------------------------------------------------------

function offer(select, names) {
  const before = select.value;
  select.replaceChildren(...names.map((name) => new Option(name, name)));
  if (names.includes(before)) select.value = before;
}

const look = acting(async () => {
  const [{ tasks }, { memories }, { models }] = await Promise.all(["v1/task", "v1/memory", "v1/model"].map((path) => ask(path)));
  offer($("task-name"), tasks);
  offer($("memory-name"), memories);
  offer($("model-name"), models);
  showToml();
  showSettings();
});

$("key").value = sessionStorage.getItem("key") ?? "";
$("key").addEventListener("change", () => { sessionStorage.setItem("key", key()); leave(); look(); });
look();
