// Comforts only: every fact of the page is there without this script.
"use strict";

function make(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

// Tables of class "sortable": a click on a heading sorts by that column, a second click the other way.
// A column is of numbers or of words as a whole: a host may begin with a digit, and a dash is less than any number.
function numeric(text) {
  const value = parseFloat(text.replace(/,/g, ""));
  return Number.isNaN(value) ? -Infinity : value;
}

function sortBy(table, column, falling) {
  const body = table.tBodies[0];
  const key = (row) => row.cells[column].textContent;
  const isNumber = table.tHead.rows[0].cells[column].classList.contains("number");
  const order = (a, b) => isNumber ? numeric(a) - numeric(b) || 0 : a.localeCompare(b);
  const rows = [...body.rows].sort((a, b) => (falling ? -1 : 1) * order(key(a), key(b)));
  body.append(...rows);
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    if (!head.textContent) return;
    const button = make("button", { type: "button", textContent: head.textContent });
    button.addEventListener("click", () => {
      const falling = head.getAttribute("aria-sort") !== "descending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      sortBy(table, column, falling);
    });
    head.replaceChildren(button);
  });
}

// A field that leaves only the groups whose names, addresses or texts hold what is typed.
function addFilter(section, label) {
  const groups = [...section.querySelectorAll(".group")];
  if (groups.length < 2) return;
  const input = make("input", { type: "search", placeholder: label });
  input.setAttribute("aria-label", label);
  const count = make("output", {});
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    let shown = 0;
    for (const group of groups) {
      const found = (group.dataset.words + " " + group.textContent).toLowerCase().includes(wanted);
      group.hidden = !found;
      shown += found ? 1 : 0;
    }
    count.textContent = wanted ? shown + " of " + groups.length : "";
  });
  const all = make("button", { type: "button", textContent: "Open all" });
  all.addEventListener("click", () => {
    const folds = groups.filter((group) => !group.hidden).map((group) => group.querySelector("details"));
    const opening = folds.some((fold) => !fold.open);
    for (const fold of folds) fold.open = opening;
    all.textContent = opening ? "Close all" : "Open all";
  });
  const tools = make("div", { className: "tools" });
  tools.append(input, all, count);
  groups[0].before(tools);
}

addFilter(document.getElementById("rejected"), "Filter by reason, address or text");
addFilter(document.getElementById("duplicates"), "Filter clusters by address or text");

// The index of links answers for a URL, a part of one, or a host.
const MOST_FOUND = 50;

function answerLine([url, stage, reason, evidence]) {
  const line = make("li", {});
  line.append(make("span", { className: "url", textContent: url }), make("br", {}));
  if (!stage) {
    line.append("is in the corpus" + (evidence ? ": " + evidence : ""));
    return line;
  }
  const link = make("a", { href: "#rejected" });
  link.append(make("code", { textContent: reason }));
  line.append(stage + " left it out: ", link, evidence ? " (" + evidence + ")" : "");
  return line;
}

// The ways in which the index may have what is typed: hosts in punycode, what is no ASCII percent-encoded.
function waysToWrite(text) {
  const bare = text.trim().replace(/^[a-z]+:\/\/(www\.)?/i, "").replace(/[#].*$/, "");
  const ways = [bare];
  try {
    const url = new URL("http://" + bare);
    ways.push(url.host + url.pathname + url.search, encodeURI(bare));
  } catch { /* It is no URL, nor a part of one. */ }
  return [...new Set(ways.map((way) => way.toLowerCase().replace(/\/$/, "")).filter(Boolean))];
}

function addSearch(place, index) {
  const lines = index.textContent.split("\n").filter(Boolean);
  const label = "A URL, a part of one, or a host";
  const input = make("input", { type: "search", placeholder: label, autocomplete: "off", spellcheck: false });
  input.setAttribute("aria-label", label);
  const count = make("output", {});
  const list = make("ul", { className: "found" });
  input.addEventListener("input", () => {
    const wanted = waysToWrite(input.value);
    const found = lines.filter((line) => {
      const url = line.slice(0, line.indexOf("\t")).toLowerCase();
      return wanted.some((way) => url.includes(way));
    });
    list.replaceChildren(...found.slice(0, MOST_FOUND).map((line) => answerLine(line.split("\t"))));
    const more = found.length > MOST_FOUND ? ", " + MOST_FOUND + " shown" : "";
    count.textContent = !wanted.length ? "" : found.length ? found.length + " found" + more
      : "No stage has seen it: it was not among the links that were given.";
  });
  const tools = make("div", { className: "tools" });
  tools.append(input, count);
  place.append(tools, list);
}

const linkIndex = document.getElementById("index");
if (linkIndex) addSearch(document.getElementById("found"), linkIndex);

// A link to a group opens it.
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const fold = target && target.querySelector(":scope > details");
  if (fold) fold.open = true;
}

window.addEventListener("hashchange", openTarget);
openTarget();

// The section in view is marked in the contents.
const entries = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
const watcher = new IntersectionObserver((seen) => {
  for (const entry of seen) {
    if (!entry.isIntersecting) continue;
    for (const link of entries.values()) link.removeAttribute("aria-current");
    entries.get(entry.target.id)?.setAttribute("aria-current", "true");
  }
}, { rootMargin: "-10% 0px -80% 0px" });
for (const section of document.querySelectorAll("main > section")) watcher.observe(section);
