// What guidance shares: telling the server, finding what it points at, and whether anything else asks for attention.
let telling = Promise.resolve();

// One after the other, so that a tour's start is written before its first step; a page that is left lets the last one go on.
export function tell(eventName, eventData = {}) {
  const headers = { ...JSON.parse(document.body.getAttribute("hx-headers")), "Content-Type": "application/json" };
  const body = JSON.stringify({ eventName, eventData });
  const send = () => fetch("/api/onboarding/events", { method: "POST", headers, body, keepalive: true }).catch(() => {});
  telling = telling.then(send);
  return telling;
}

const isShown = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;

// The first visible thing of that name: what stands behind a menu on a phone may have a stand-in.
export const spot = (name) => [...document.querySelectorAll(`[data-tour="${name}"]`)].find(isShown);

const isQuiet = (asking) =>
  ![...document.querySelectorAll(asking)].some(isShown) && !document.querySelector("dialog[open], .driver-active");

// What opens in the middle of a click or of typing would take it.
const isActing = () => document.querySelector(":active, :is(input, select, textarea):focus");

export const isFree = () => isQuiet("[data-attention]") && !isActing();

// for what somebody asked for: only what is wrong comes before it
export const isFreeOfErrors = () => isQuiet("[data-attention='error']");
