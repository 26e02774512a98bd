// The scoring page: rate from the keyboard, see the score, lose nothing. Without it the form is a plain one.
const form = document.getElementById("score-form");
const groups = [...form.querySelectorAll("[data-criterion], [data-check]")];
const criteria = groups.filter((group) => group.dataset.criterion !== undefined);
const rubric = form.querySelector(".rv-rubric");
const scoreLine = document.getElementById("score");
const savedLine = document.getElementById("saved");
const claimLine = document.getElementById("claim");
const trouble = document.getElementById("trouble");
const help = document.getElementById("help");
const submitButton = document.getElementById("submit");
const keysOn = document.getElementById("keys-on");

const chosen = (group) => group.querySelector("input[type=radio]:checked");
const radio = (group, value) => group.querySelector(`input[type=radio][value="${value}"]`);

// --- The score: the same whole numbers as the server counts, so that both see when a target is only equalled. ---

function needsComment(group, value) {
  return value === "na" || Number(value) * 2500 <= Number(group.dataset.target);
}

function tell() {
  let weight = 0;
  let reached = 0;
  let wanted = 0;
  let rated = 0;
  for (const group of criteria) {
    const value = chosen(group)?.value;
    if (value === undefined) continue;
    rated += 1;
    if (value === "na") continue;
    weight += Number(group.dataset.weight);
    reached += Number(group.dataset.weight) * Number(value) * 2500;
    wanted += Number(group.dataset.weight) * Number(group.dataset.target);
  }
  const done = `${rated} of ${criteria.length} done.`;
  if (!weight) {
    scoreLine.textContent = `Nothing rated yet, ${done}`;
    return;
  }
  const percent = (sum) => `${(sum / weight / 100).toFixed(1)} %`;
  const verdict = reached > wanted ? "met" : "not met";
  scoreLine.textContent = `Weighted ${percent(reached)}, more than ${percent(wanted)} wanted: ${verdict}, ${done}`;
}

function offerComment(group) {
  const value = chosen(group)?.value;
  if (value !== undefined && needsComment(group, value)) group.querySelector("details").open = true;
}

// --- Moving about. ---

let last = groups[0]; // where one was, for when a click on a text has taken the focus away

const current = () => groups.find((group) => group.contains(document.activeElement)) || last;

form.addEventListener("focusin", (event) => {
  const group = groups.find((each) => each.contains(event.target));
  const elsewhere = event.target.closest(".rv-bar, .rv-giveup");
  if (group || elsewhere) last = group;
  for (const each of groups) each.toggleAttribute("data-current", each === last);
});

function go(to) {
  const target = to && (chosen(to) || to.querySelector("input[type=radio]"));
  (target || submitButton).focus({ preventScroll: true });
  if (rubric.scrollHeight > rubric.clientHeight) {
    // A column of its own: it alone moves, so that the text that is being judged stays where it is.
    if (to) rubric.scrollTop += to.getBoundingClientRect().top - rubric.getBoundingClientRect().top - 2;
  } else if (to) to.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const at = groups.indexOf(current());
  if (at < 0) go(by < 0 ? groups.at(-1) : groups[0]);
  else go(groups[Math.max(at + by, 0)]);
}

function choose(group, value) {
  const option = radio(group, value);
  if (!option) return;
  option.checked = true;
  option.dispatchEvent(new Event("change", { bubbles: true }));
  go(groups[groups.indexOf(group) + 1]);
}

// Single keys, each for the group that has the focus; nothing acts while somebody types or a dialog is open.
function pressed(key) {
  const group = current();
  const graded = group?.dataset.criterion !== undefined;
  if (key === "?") help.showModal();
  else if (key === "j") step(1);
  else if (key === "k") step(-1);
  else if (group === undefined) return false;
  else if (key === "n") choose(group, "na");
  else if (graded && /^[0-4]$/.test(key)) choose(group, key);
  else if (graded && key === "c") {
    group.querySelector("details").open = true;
    group.querySelector("textarea").focus();
  } else if (!graded && key === "y") choose(group, "yes");
  else if (!graded && key === "x") choose(group, "no");
  else return false;
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || help.open) return;
  const here = form.contains(event.target) || event.target === document.body;
  const typing = event.target.closest("textarea, select, input:not([type=radio]):not([type=checkbox]), [contenteditable]");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.altKey) {
    event.preventDefault();
    if (!event.repeat && here) form.requestSubmit(submitButton);
  } else if (event.key === "Enter" && event.target.matches("input[type=radio], input[type=checkbox]")) {
    event.preventDefault(); // would press the first button of the form
  } else if (typing && event.key === "Escape" && current()) {
    go(current());
  } else if (here && !typing && keysOn.checked && !event.ctrlKey && !event.altKey && !event.metaKey) {
    if (pressed(event.key.toLowerCase())) event.preventDefault();
  }
});

// --- Saving by itself. ---

const PAUSE = 600;
const LONGEST_WAIT = 30000;
let timer = 0;
let wait = 0; // grows while the server cannot be reached
let running = false;
let dirty = false;
let lost = false;
let leaving = false;

function warn(text) {
  trouble.textContent = text;
  trouble.hidden = !text;
}

function later(after) {
  window.clearTimeout(timer);
  timer = window.setTimeout(save, after);
}

function token() {
  const cookie = document.cookie.split("; ").find((each) => each.startsWith("csrftoken="));
  return cookie ? cookie.slice("csrftoken=".length) : form.elements.csrfmiddlewaretoken.value;
}

async function save(leave = false) {
  if (lost || leaving || !dirty || (running && !leave)) return;
  running = true;
  dirty = false;
  const body = new URLSearchParams(new FormData(form));
  const headers = { "X-CSRFToken": token() };
  try {
    const answer = await fetch(form.dataset.autosave, { method: "POST", body, headers, redirect: "manual", keepalive: leave });
    await heard(answer);
  } catch {
    again("There is no connection, so nothing is saved at the moment. What you entered stays here and is saved when it is back.");
  } finally {
    running = false;
    if (dirty && !wait) later(PAUSE);
  }
}

async function heard(answer) {
  if (answer.status === 204) {
    wait = 0;
    warn("");
    savedLine.textContent = "Draft saved.";
    claimed(Number(answer.headers.get("X-Claim-Seconds")));
  } else if (answer.status === 409) {
    lost = true;
    savedLine.textContent = "Not saved.";
    warn(await answer.text());
  } else if (answer.type === "opaqueredirect" || answer.status === 403) {
    again("You are signed out, so nothing is saved. Sign in in another tab; what you entered stays here and is then saved.");
  } else {
    again("The server could not save. What you entered stays here, and saving is tried again.");
  }
}

function again(why) {
  dirty = true;
  wait = Math.min(wait ? wait * 2 : 2000, LONGEST_WAIT);
  savedLine.textContent = "Not saved.";
  warn(why);
  later(wait);
}

function changed(event) {
  if (event.target.name === "reason" || !form.contains(event.target)) return;
  dirty = true;
  savedLine.textContent = "";
  later(wait || PAUSE);
}

form.addEventListener("input", changed);
form.addEventListener("change", (event) => {
  const group = event.target.closest("[data-criterion]");
  if (group && event.target.type === "radio") offerComment(group);
  tell();
  changed(event);
});
form.addEventListener("submit", () => {
  leaving = true;
  window.clearTimeout(timer);
});
window.addEventListener("online", () => later(0));
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") save(true);
});
window.addEventListener("beforeunload", (event) => {
  if (dirty && !leaving && !lost) event.preventDefault();
});

// --- The claim's time, and the help. ---

let until = 0;

function claimed(seconds) {
  until = performance.now() + seconds * 1000;
  showClaim();
}

function showClaim() {
  const minutes = Math.floor((until - performance.now()) / 60000);
  const left = `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  claimLine.textContent = minutes >= 0 ? `claimed for you: ${left} left` : claimLine.dataset.over;
}

if (claimLine.dataset.seconds !== "0") claimed(Number(claimLine.dataset.seconds));
window.setInterval(() => until && showClaim(), 30000);

const helpButton = document.getElementById("help-button");
helpButton.hidden = false;
helpButton.addEventListener("click", () => help.showModal());
document.getElementById("help-close").addEventListener("click", () => help.close());
help.addEventListener("close", () => current() && go(current()));
keysOn.checked = window.localStorage.getItem("scoring-keys") !== "off";
keysOn.addEventListener("change", () => window.localStorage.setItem("scoring-keys", keysOn.checked ? "on" : "off"));
for (const hint of document.querySelectorAll(".rv-needs-script")) hint.hidden = false;
tell();

// The first of what is missing, once the theme shows the page.
function begin() {
  const faulty = groups.find((group) => group.querySelector(".cp-error"));
  const open = groups.find((group) => !chosen(group));
  go(faulty || open || groups[0]);
  document.documentElement.dataset.scoring = "ready";
}

const soon = () => window.requestAnimationFrame(begin);
if (document.documentElement.hasAttribute("x-cloak")) document.addEventListener("alpine:initialized", soon);
else soon();
