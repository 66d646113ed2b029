// Shows one step of a figure at a time. Every mark is in the page once, in a group that says which steps show it.
(() => {
  "use strict";
  const { captions, seconds } = JSON.parse(document.getElementById("steps").textContent);
  const count = captions.length;
  const find = (name) => document.getElementById(name);
  const [back, play, next, scrub, at, said] = ["back", "play", "next", "scrub", "at", "said"].map(find);
  const spans = (text) => text.split(" ").map((span) => span.split("-").map(Number)).map(([lo, hi = lo]) => [lo, hi]);
  const groups = [...document.querySelectorAll("[data-steps]")].map((group) => [group, spans(group.dataset.steps)]);
  let step = 1;
  let timer = 0;

  function show(wanted) {
    step = Math.min(count, Math.max(1, wanted));
    for (const [group, shown] of groups) {
      group.setAttribute("visibility", shown.some(([lo, hi]) => lo <= step && step <= hi) ? "visible" : "hidden");
    }
    scrub.value = step;
    scrub.setAttribute("aria-valuetext", `step ${step} of ${count}`);
    at.textContent = `${step} / ${count}`;
    said.textContent = captions[step - 1];
    back.disabled = step === 1;
    next.disabled = step === count;
  }

  function pause() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "Play";
    said.setAttribute("aria-live", "polite");
  }

  function start() {
    said.setAttribute("aria-live", "off"); // a film is not read aloud: each step would cut off the one before
    if (step === count) show(1);
    play.textContent = "Pause";
    timer = setInterval(() => {
      show(step + 1);
      if (step === count) pause();
    }, 1000 * seconds);
  }

  const go = (wanted) => { pause(); show(wanted); };
  const toggle = () => (timer ? pause() : start());
  back.addEventListener("click", () => go(step - 1));
  next.addEventListener("click", () => go(step + 1));
  play.addEventListener("click", toggle);
  scrub.addEventListener("input", () => go(Number(scrub.value)));
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const motion = () => { if (still.matches) pause(); play.hidden = still.matches; };
  still.addEventListener("change", motion);

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const keys = { ArrowLeft: () => go(step - 1), ArrowRight: () => go(step + 1), Home: () => go(1), End: () => go(count) };
    if (event.key === " " && event.target.tagName !== "BUTTON" && !still.matches) keys[" "] = toggle;
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });

  document.querySelector(".controls").hidden = false;
  motion();
  show(Number(location.hash.slice(1)) || 1);
})();
