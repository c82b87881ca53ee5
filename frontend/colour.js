// A token as the browser uses it now: light-dark() is only worked out in a used colour, so a probe wears it.
const probe = document.createElement("span");

export function colour(token) {
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const used = getComputedStyle(probe).color;
  probe.remove();
  return used;
}
