// The terms of an offer: take it once, and say what came of it.

import { ask } from "./api.js";
import { $, announce, word } from "./page.js";

const { offer } = JSON.parse($("facts").textContent);

$("take").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = $("take-button");
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  $("take-fault").hidden = true;
  announce(word("taking"));
  try {
    const grant = await ask(`/api/v1/offers/${offer}/grants`, { method: "POST" });
    announce(word(grant.state === "requested" ? "asked_for" : "taken"));
    button.hidden = true;
    $("make-now").hidden = grant.state === "requested";
  } catch (error) {
    announce("");
    $("take-fault").textContent = error.message;
    $("take-fault").hidden = false;
    button.removeAttribute("aria-disabled");
  }
});
