// A verdict as a person reads it: one sentence, the facts at a glance, how it came to be, every check, all there is.

import { evidence } from "./evidence.js";
import { isOfThisFile, listOf, madeFrom, madeWhen, referenceLine, showGlance } from "./glance.js";
import { $, el, fact, has, language, machineName, moment, said, shortened, word } from "./page.js";
import { recordLists } from "./recorded.js";

const HEX = /^sha256:[0-9a-f]{64}$/;

const DOUBTS = { "signer.trusted": "not_vouched", dispute: "disputed", "picture.readable": "unread" };

let saved = null;
let named = new Set();

/** Show a verdict on the report part of the page. */
export function showReport(verdict, name) {
  $("report-title").textContent = said(verdict.summary);
  $("checked-name").textContent = shortened(name, 120);
  showGlance(verdict);
  showHistory(verdict);
  showChecks(verdict.checks);
  showStated(verdict);
  showRecorded(verdict.records);
  $("expert-facts").replaceChildren(...expert(verdict));
  $("raw").textContent = JSON.stringify(verdict, null, 2);
  offerToSave(verdict);
}

// ---- how it came to be

function showHistory({ history: steps, checks }) {
  const broken = checks.filter((check) => check.code === "ingredient" && check.result === "failed");
  const places = new Set(broken.map(({ evidence: { manifest, label } }) => `${manifest} ${label}`));
  $("history").hidden = !steps.length;
  $("history-steps").replaceChildren(...steps.map((step) => historyStep(step, steps, places)));
}

function historyStep(step, steps, broken) {
  const done = step.actions.map(actionWords).filter(Boolean);
  const from = step.ingredients.map((one) =>
    ingredientLine(one, steps, broken.has(`${step.manifest_id} ${one.label}`)),
  );
  return el(
    "li",
    { class: "step", id: `step-${steps.indexOf(step)}` },
    el("p", { class: "step-who" }, word(stepWords(step), { who: step.signer || "?" })),
    el("p", { class: "hint" }, [step.generator, step.signed_at && moment(step.signed_at)].filter(Boolean).join(" · ")),
    done.length ? el("p", {}, [...new Set(done)].join(word("comma"))) : null,
    from.length ? el("ul", { class: "ingredients" }, from) : null,
  );
}

/** Who signed, as far as that holds: a broken signature only states it, and one under a changed file is not of the file. */
function stepWords({ is_newest: isNewest, signed }) {
  const holds = { credentials: "_credentials", nothing: "_stated" }[signed] ?? "";
  return `${isNewest ? "step_this" : "step_before"}${holds}`;
}

function actionWords({ action, source_type: kind, description }) {
  const name = action.replace(/^c2pa\./, "").replaceAll(".", "_");
  const done = has(`action_${name}`) ? word(`action_${name}`) : shortened(description || action, 80);
  return kind && has(`source_${kind}`) ? done + word("in_brackets", { text: word(`source_${kind}`) }) : done;
}

function ingredientLine({ title, relationship, manifest_id: own }, steps, isBroken) {
  const place = steps.findIndex((step) => step.manifest_id === own);
  const how = has(`relation_${relationship}`) ? word(`relation_${relationship}`) : relationship;
  const name = shortened(title.startsWith("c2pa.ingredient") ? word("unnamed") : title, 200);
  const shown = place > 0 ? el("a", { href: `#step-${place}` }, name) : name;
  const fault = isBroken ? el("span", { class: "fault" }, word("comma"), word("ingredient_broken")) : null;
  return el("li", {}, shown, el("span", { class: "hint" }, word("in_brackets", { text: how })), fault);
}

// ---- every check

function showChecks(checks) {
  const looked = checks.filter((check) => shownResult(check) !== "not_checked");
  const left = checks.filter((check) => shownResult(check) === "not_checked");
  named = new Set();
  $("checks").replaceChildren(...checkLines(looked));
  $("unchecked").hidden = !left.length;
  $("unchecked-title").textContent = word("unchecked_title", { count: left.length });
  $("unchecked-checks").replaceChildren(...checkLines(left));
  $("count").textContent = counted(checks);
}

/** Failures first, then the checks in their order; neighbours that say the very same thing share a line. */
function checkLines(checks) {
  const weight = (check) => ["failed", "disputed", "not_vouched", "unread"].indexOf(shownResult(check));
  const sorted = [...checks].sort((one, other) => rank(weight(one)) - rank(weight(other)));
  const groups = [];
  for (const check of sorted) {
    const last = groups.at(-1);
    if (last && said(last[0]) === said(check) && shownResult(last[0]) === shownResult(check)) last.push(check);
    else groups.push([check]);
  }
  return groups.map(checkLine);
}

function rank(place) {
  return place < 0 ? 4 : place;
}

function checkLine(group) {
  const [check] = group;
  const result = shownResult(check);
  return el(
    "li",
    { class: `check ${result}`, "data-code": check.code, id: placeOf(check) },
    el("span", { class: "result" }, word(result)),
    el("span", { class: "sentence" }, shortened(said(check))),
    group.map(evidence),
  );
}

/** Where a check can be pointed at: the first one of a code. */
function placeOf({ code }) {
  if (named.has(code)) return null;
  named.add(code);
  return `check-${code}`;
}

/** A check's result for people: an unknown signer, a dispute, a kind that is not read are no failures of the picture. */
function shownResult({ code, result, evidence: found }) {
  return result === "failed" && found?.fault !== "damaged" ? (DOUBTS[code] ?? result) : result;
}

function counted(checks) {
  const count = (result) => checks.filter((check) => shownResult(check) === result).length;
  const values = { passed: count("passed"), failed: count("failed"), not_checked: count("not_checked") };
  const sentence = word("checks_counted", values);
  const doubts = Object.values(DOUBTS).filter(count);
  return [sentence, ...doubts.map((doubt) => word(`counted_${doubt}`))].join(word("comma"));
}

// ---- what the manifest states

function showStated(verdict) {
  const { manifest, state } = verdict;
  $("stated").hidden = !manifest;
  if (!manifest) return;
  $("stated-title").textContent = word("manifest_title");
  $("stated-note").textContent = word(state === "failed" ? "manifest_note_failed" : "manifest_note");
  $("stated-facts").replaceChildren(...stated(manifest), ...(isOfThisFile(verdict) ? [] : leftOut(verdict)));
}

/** What stands at a glance where the credentials fit the file. */
function leftOut(verdict) {
  const { making, credits } = verdict.manifest;
  const lines = listOf(word("credits"), credits, (line) => el("span", { class: "credit" }, shortened(line)));
  return [...single("making", word(`making_${making}`)), ...madeWhen(verdict), ...madeFrom(verdict), ...lines];
}

function stated(manifest) {
  const { prompt, model } = manifest;
  return [
    ...single("title", manifest.title),
    ...single("prompt", promptWords(prompt)),
    ...single("negative_prompt", prompt?.negative_text),
    ...single("model", modelLine(model)),
    ...single("training", trainingWords(model)),
    ...single("seed", manifest.seed),
    ...single("settings", settingsLine(manifest.settings)),
    ...listOf(word("inputs"), manifest.inputs, referenceLine),
    ...listOf(word("basis"), manifest.basis, basisLine),
    ...single("human_contribution", manifest.human_contribution?.map(contribution).join(word("comma"))),
    ...single("generator", manifest.generator),
    ...single("source_type", manifest.source_type),
  ];
}

function promptWords(prompt) {
  if (prompt?.disclosure === "committed") return word("prompt_committed");
  if (prompt?.disclosure === "private") return word("prompt_private");
  return prompt?.text;
}

function modelLine(model) {
  if (!model?.name) return "";
  return [model.name, model.revision, model.licence].filter(Boolean).join(word("comma"));
}

function trainingWords(model) {
  const stated = model?.training_statement ?? "";
  const key = `training_${stated.replaceAll("-", "_")}`;
  return has(key) ? word(key) : stated;
}

/** The settings in words where they are ours, as they stand where they are another generator's. */
function settingsLine(settings) {
  const { width, height, ...others } = settings ?? {};
  const size = width && height ? [word("setting_size", { width, height })] : [];
  const pairs = Object.entries(others).filter(([, value]) => typeof value !== "object");
  return [...size, ...pairs.map(settingWords)].join(word("comma"));
}

function settingWords([name, value]) {
  const task = `task_${String(value).replaceAll("-", "_")}`;
  if (name === "task" && has(task)) return word(task);
  return has(`setting_${name}`) ? word(`setting_${name}`, { value }) : `${name} ${value}`;
}

function basisLine({ subject, basis, licence }) {
  const ground = has(`basis_${basis}`) ? word(`basis_${basis}`) : basis;
  return [shortened(subjectWords(subject ?? ""), 200), ground, licence].filter(Boolean).join(" · ");
}

/** What a basis is for: our manifests put its kind before its name. */
function subjectWords(subject) {
  const [, kind, name] = /^(\w+): (.*)$/s.exec(subject) ?? [];
  return has(`kind_${kind}`) ? word(`kind_${kind}`, { name }) : subject;
}

function contribution(name) {
  return has(`contribution_${name}`) ? word(`contribution_${name}`) : shortened(name, 80);
}

// ---- what the records hold

function showRecorded(records) {
  $("recorded").hidden = !records.length;
  $("recorded-title").textContent = word("record_title");
  $("recorded-facts").replaceChildren(...recordLists(records));
}

// ---- all there is

function expert({ file, validation_state: state, library, trust, manifest, signer }) {
  const size = new Intl.NumberFormat(language).format(file.size_bytes);
  return [
    ...single("expert_file", file.digest),
    ...single("expert_pixels", file.pixels),
    ...single("expert_type", file.media_type),
    ...single("expert_size", word("size_bytes", { size })),
    ...single("expert_state", state),
    ...single("expert_manifest", manifest?.manifest_id),
    ...single("expert_generation", manifest?.generation),
    ...single("expert_raw", manifest?.raw_pixels),
    ...single("expert_log", [manifest?.log?.origin, manifest?.log?.leaf_hash].filter(Boolean).join(" · ")),
    ...single("expert_certificate", certificateLine(signer)),
    ...single("expert_library", `${library.name} ${library.version}`),
    ...listOf(word("expert_trust"), trust.names.length ? trustLines(trust) : [word("nobody")], (line) => line),
    ...single("expert_trust_version", trust.version),
  ];
}

function trustLines({ names, files, timestamps }) {
  const own = names.length - files.reduce((sum, file) => sum + file.certificates, 0);
  const lists = [...files, ...timestamps.files].map(({ name, certificates, dated_at: at }) =>
    word("trust_file", { name, count: certificates, date: moment(at) }),
  );
  return [own > 0 ? shortened(names.slice(0, own).join(word("comma")), 400) : null, ...lists].filter(Boolean);
}

function certificateLine(signer) {
  if (!signer) return "";
  const { issuer, algorithm, not_before: from, not_after: to } = signer;
  return word("certificate_dates", { issuer: issuer || "?", from: from || "?", to: to || "?", algorithm: algorithm || "?" });
}

// ---- parts

function single(key, value) {
  if (value === undefined || value === null || value === "") return [];
  return fact(word(key), HEX.test(value) ? machineName(value) : shortened(String(value)));
}

function offerToSave(verdict) {
  if (saved) URL.revokeObjectURL(saved);
  saved = URL.createObjectURL(new Blob([JSON.stringify(verdict, null, 2)], { type: "application/json" }));
  $("save").href = saved;
}
