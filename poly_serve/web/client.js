// The page of a Poly server: one module, no build. Everything goes through the same routes that other clients use.

const $ = (id) => document.getElementById(id);

// ---- The server -----------------------------------------------------------------------------------------------------

const key = () => $("key").value.trim();

function address(path, query = {}) {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

async function ask(path, options = {}, query = {}) {
  const headers = { Accept: "application/json", ...options.headers };
  if (key()) headers.Authorization = `Bearer ${key()}`;
  const response = await fetch(address(path, query), { ...options, headers });
  const text = await response.text();
  if (!response.ok) throw new Error(reason(text) || `the server answered ${response.status}`);
  return text ? JSON.parse(text) : {};
}

function reason(text) {
  try { return JSON.parse(text).message ?? text; } catch { return text; }
}

function post(path, body) {
  return ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
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
    if (step) choose(tabs[(place + step + tabs.length) % tabs.length]);
  });
}

// ---- Tasks: a chat over the WebSocket -------------------------------------------------------------------------------

let socket = null;
let answer = null;

function say(kind, text = "") {
  const line = document.createElement("p");
  line.className = `turn ${kind}`;
  line.textContent = text;
  $("transcript").append(line);
  line.scrollIntoView({ block: "end" });
  return line;
}

function settings() {
  const given = {};
  for (const input of document.querySelectorAll("[data-setting]")) {
    if (input.value !== "" && input.validity.valid) given[input.dataset.setting] = Number(input.value);
  }
  return given;
}

function schema() {
  const source = $("schema").value.trim();
  if (!source) return null;
  JSON.parse(source); // a mistake in it is told before it is sent
  return { kind: "json_schema", source };
}

function showToml() {
  const lines = Object.entries(settings()).map(([name, value]) => `${name} = ${value}`);
  const source = $("schema").value.trim();
  if (source) lines.push(`biaser = { json_schema = … }    # ${source.length} characters, as a table`);
  $("toml").textContent = [`[tasks.${$("task-name").value}]`, ...lines].join("\n");
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
      opening.send(JSON.stringify({ type: "open" }));
      resolve(opening);
    };
    opening.onerror = () => reject(new Error("the chat could not be opened: is the key right?"));
    opening.onmessage = ({ data }) => hear(JSON.parse(data));
    opening.onclose = () => {
      if (socket !== opening) return;
      if (answer) say("aside", "the connection was lost");
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
      setBusy(false);
      break;
    }
    case "error":
      say("error", event.message);
      setBusy(false);
      break;
  }
}

function addToken(line, { text, id, is_forced }) {
  if (!$("task-tokens").checked) {
    line.append(text);
  } else {
    const token = document.createElement("span");
    token.className = is_forced ? "token forced" : "token";
    token.title = `token ${id}${is_forced ? ", the only one that was possible" : ""}`;
    token.textContent = text;
    line.append(token);
  }
  line.scrollIntoView({ block: "end" });
}

$("ask").addEventListener("submit", acting(async () => {
  const prompt = $("prompt").value;
  if (!prompt || answer || $("send").disabled) return;
  const message = { type: "prompt", prompt, overrides: settings(), schema: schema() };
  setBusy(true);
  try {
    socket ??= await connect();
  } catch (error) {
    setBusy(false);
    throw error;
  }
  say("prompt", prompt);
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
$("task-new").addEventListener("click", () => { leave(); $("transcript").replaceChildren(); $("prompt").focus(); });
$("task-name").addEventListener("change", () => { leave(); $("transcript").replaceChildren(); showToml(); });
$("tuning").addEventListener("input", showToml);

// ---- Memories -------------------------------------------------------------------------------------------------------

const memory = () => `v1/memory/${encodeURIComponent($("memory-name").value)}`;

function item(list, ...parts) {
  const line = document.createElement("li");
  line.append(...parts);
  list.append(line);
  return line;
}

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

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

$("fill").addEventListener("submit", acting(async () => {
  for (const file of $("files").files) {
    const line = item($("taken"), `${file.name}: on its way …`);
    try {
      await ask(memory(), { method: "PUT", headers: { "Content-Type": file.type || "text/plain" }, body: file }, { source: file.name });
      line.textContent = `${file.name}: taken in`;
    } catch (error) {
      line.textContent = `${file.name}: ${error.message}`;
    }
  }
}));

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
});

$("key").value = sessionStorage.getItem("key") ?? "";
$("key").addEventListener("change", () => { sessionStorage.setItem("key", key()); leave(); look(); });
look();
