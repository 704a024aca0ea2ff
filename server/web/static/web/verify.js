// The page that verifies a picture: takes a file, asks for its verdict, and shows the report.

import { ask, fetchFile } from "./api.js";
import { $, announce, language, word } from "./page.js";
import { showReport } from "./report.js";

const LARGEST_BYTES = 64 * 2 ** 20;
const MOST_TRIES = 60;
const BETWEEN_TRIES_MS = 2000;
const DIGEST = /^#(sha256:[0-9a-f]{64})$/;

let asked = 0;
let preview = null;

const form = $("check");
form.addEventListener("submit", (event) => event.preventDefault());
$("file").addEventListener("change", () => check($("file").files));
document.addEventListener("dragover", (event) => {
  if (![...event.dataTransfer.types].includes("Files")) return;
  event.preventDefault();
  form.classList.add("over");
});
for (const name of ["dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    if (name === "drop" || !event.relatedTarget) form.classList.remove("over");
  });
}
document.addEventListener("drop", (event) => {
  event.preventDefault();
  check(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => check(event.clipboardData?.files));
const subject = JSON.parse($("subject").textContent);
if (subject) showNamed(subject);
else {
  addEventListener("hashchange", checkNamed);
  checkNamed();
}

/** Check a file, with the credentials beside it, and show what came of it; of several in a row, the last one counts. */
async function check(files) {
  const [file, store, another] = inOrder([...(files ?? [])]);
  if (!file) return;
  const mine = (asked += 1);
  $("report").hidden = true;
  $("check-fault").hidden = true;
  if (isPicture(store) || another) return complain(word("one_at_a_time"));
  if (!file.size) return complain(word("empty_file", { name: file.name }));
  if (file.size > LARGEST_BYTES) {
    return complain(word("too_large", { name: file.name, size: Math.ceil(file.size / 2 ** 20) }));
  }
  wait(word("reading", { name: file.name }));
  const body = new FormData();
  body.append("file", file);
  if (store) body.append("manifest", store);
  try {
    const verdict = await ask("/api/v1/verifications", { method: "POST", body });
    if (mine !== asked) return;
    showPicture(file);
    showReport(verdict, file.name);
    $("report").hidden = false;
    $("report-title").focus();
    announce(word("report_ready"));
    follow(verdict, file.name, () => mine === asked);
  } catch (error) {
    if (mine === asked) complain(error.message);
  } finally {
    if (mine === asked) $("waiting").hidden = true;
    $("file").value = "";
  }
}

/** The picture first: a file of credentials alone comes beside one, and is checked by itself only where there is none. */
function inOrder(files) {
  return [...files.filter(isPicture), ...files.filter((file) => !isPicture(file))];
}

function isPicture(file) {
  return Boolean(file) && !/\.c2pa$/i.test(file.name);
}

/** Ask again for a check that is still being made, until it is, another picture is looked at, or it takes too long. */
async function follow(verdict, name, isShown) {
  const place = verdict.checks.findIndex((check) => check.result === "pending");
  if (place < 0) return;
  for (let tries = 0; tries < MOST_TRIES && isShown(); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_TRIES_MS));
    const reading = await ask(verdict.checks[place].evidence.href).catch(() => null);
    if (!reading || reading.check.result === "pending" || !isShown()) continue;
    verdict.checks[place] = reading.check;
    if (reading.verdict) tellOfFound(verdict, reading);
    showReport(verdict, name);
    announce(word("report_ready"));
    return;
  }
  if (!isShown()) return;
  verdict.checks[place] = { ...verdict.checks[place], result: "not_checked", [language]: word("stopped_asking") };
  showReport(verdict, name);
  announce(word("report_ready"));
}

/** Let a verdict say what it would have said with the records that were found since: a sure finding beats possible ones. */
function tellOfFound(verdict, { records, verdict: { state, summary, checks } }) {
  const anew = new Map(checks.map((check) => [check.code, check]));
  verdict.checks = verdict.checks.map((check) => anew.get(check.code) ?? check);
  Object.assign(verdict, { state, summary, records });
}

/** Show the report on a picture of ours that the page is about. */
async function showNamed(name) {
  wait(word("fetching_record"));
  try {
    showReport(await ask(`/api/v1/provenance/${encodeURIComponent(name)}`), name);
    $("report").hidden = false;
    announce(word("report_ready"));
  } catch (error) {
    complain(error.message);
  } finally {
    $("waiting").hidden = true;
  }
}

/** Check the delivered picture that the address names by its digest. */
async function checkNamed() {
  const digest = DIGEST.exec(location.hash)?.[1];
  if (!digest) return;
  wait(word("fetching"));
  try {
    const blob = await fetchFile(`/api/v1/images/${digest}/file`);
    await check([new File([blob], `colophon-${digest.slice(7, 15)}.${ending(blob.type)}`, { type: blob.type })]);
  } catch (error) {
    $("waiting").hidden = true;
    complain(error.status === 404 || error.status === 401 ? word("not_yours") : error.message);
  }
}

/** The ending of a picture's name: image/jpeg ends in .jpg, the other types in their own name. */
function ending(type) {
  return type === "image/jpeg" ? "jpg" : type.replace("image/", "");
}

function wait(sentence) {
  $("check-fault").hidden = true;
  $("waiting").textContent = sentence;
  $("waiting").hidden = false;
  announce(sentence);
}

function complain(sentence) {
  $("waiting").hidden = true; // of a picture before, whose report is not waited for any more
  $("check-fault").textContent = sentence;
  $("check-fault").hidden = false;
}

/** Show the picture itself beside the report, where this browser can. */
function showPicture(file) {
  if (preview) URL.revokeObjectURL(preview);
  preview = URL.createObjectURL(file);
  const image = $("checked");
  image.hidden = true;
  image.alt = word("picture_alt");
  image.onload = () => (image.hidden = false);
  image.onerror = () => (image.hidden = true);
  image.src = preview;
}
