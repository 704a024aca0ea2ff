// What every page's script shares: its words, its language, and elements that hold text, never markup.

const spoken = JSON.parse(document.getElementById("words").textContent);

/** The page's language as the API names it: "en" or "zh-Hans". */
export const language = document.documentElement.lang === "zh-Hans" ? "zh-Hans" : "en";

/** The page's words for a key, with {names} filled in. */
export function word(key, values = {}) {
  const template = spoken[key] ?? key;
  return template.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Whether the page has words for a key. */
export function has(key) {
  return key in spoken;
}

/** The sentence in the page's language, of something that the API says in both. */
export function said(sentence) {
  if (typeof sentence === "string") return sentence;
  return sentence?.[language] ?? sentence?.en ?? "";
}

/** An element with attributes and children; every string becomes a text node. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** The element with an id. */
export function $(id) {
  return document.getElementById(id);
}

/** A moment in the reader's own words and time zone; the text itself where it is no moment. */
export function moment(text) {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return text;
  return new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short" }).format(date);
}

/** A text of bounded length, which says how much of it is not shown. */
export function shortened(text, longest = 1200) {
  if (text.length <= longest) return text;
  return word("shortened", { text: text.slice(0, longest), count: text.length - longest });
}

/** An amount in a currency's minor units, with the currency's code. */
export function money(amount, currency) {
  const format = new Intl.NumberFormat(language, { style: "currency", currency, currencyDisplay: "code" });
  return format.format(Number(amount) / 10 ** format.resolvedOptions().maximumFractionDigits);
}

/** A link, if the address is one of the web; plain text otherwise. */
export function link(text, address) {
  if (!/^https?:\/\//i.test(address ?? "")) return document.createTextNode(text);
  return el("a", { href: address, rel: "noreferrer nofollow" }, text);
}

/** A term and what stands under it, for a list of facts. */
export function fact(term, ...values) {
  return [el("dt", {}, term), ...values.flat().map((value) => el("dd", {}, value))];
}

/** A long machine name that may break anywhere, and a button that copies it. */
export function machineName(text) {
  const button = el("button", { type: "button", class: "copy", "aria-label": `${word("copy")} ${text}` }, word("copy"));
  button.addEventListener("click", async () => {
    await navigator.clipboard?.writeText(text).catch(() => {});
    button.textContent = word("copied");
    announce(word("copied"));
    setTimeout(() => (button.textContent = word("copy")), 2000);
  });
  return el("span", { class: "machine" }, el("code", {}, text), navigator.clipboard ? button : null);
}

/** Say something to those who hear the page; the same words are said once. */
export function announce(text) {
  const announcer = $("announcer");
  if (announcer && announcer.textContent !== text) announcer.textContent = text;
}

/** A request's pictures in the order of its seeds; a list from the API promises none. */
export function picturesOf(record) {
  return [...record.outputs].sort((one, other) => one.index - other.index);
}
