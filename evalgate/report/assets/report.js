(() => {
  "use strict";
  const block = document.getElementById("case-data");
  const list = document.getElementById("case-list");
  const form = document.querySelector("form.filter");
  if (!block || !list || !form) return;
  const field = (id) => document.getElementById(id);
  const fields = ["search", "kind", "moved", "slice", "category", "order"].map(field);
  const [search, kind, moved, slice, category, order] = fields;
  const [shown, clear, more, moreLine, keysOn, keys] = ["shown", "clear", "more", "more-line", "keys-on", "keys"].map(field);
  const STEP = 200;
  const MOST_WORDS = 4000;
  const LABELS = {};
  for (const option of kind.options) if (option.value) LABELS[option.value] = option.textContent;
  const COLOURS = { violating: "fail", errored: "inconclusive", flaky: "inconclusive", regressed: "fail", improved: "pass" };

  const data = JSON.parse(block.textContent);
  block.textContent = "";
  const heads = data.heads;
  const ready = Array.from(list.children);
  const elements = ready.slice();
  const places = new Map(heads.map((head, place) => [head[0], place]));
  const bodyOf = (place) => data.bodies[place - ready.length];

  /* Elements; every text goes in as text. */
  const make = (name, attributes, ...parts) => {
    const made = document.createElement(name);
    for (const key of Object.keys(attributes)) made.setAttribute(key, attributes[key]);
    put(made, ...parts);
    return made;
  };
  const put = (where, ...parts) => {
    for (const part of parts) {
      if (typeof part === "string") where.append(...written(part));
      else if (part) where.append(part);
    }
  };
  /* A hidden character stands as its code point between two controls. */
  const written = (text) => {
    if (!text.includes("\u0001")) return text ? [text] : [];
    return text.split("\u0001").flatMap((part, place) => {
      if (!place) return part ? [part] : [];
      const end = part.indexOf("\u0002");
      const code = document.createElement("span");
      code.className = "unseen";
      code.textContent = part.slice(0, end);
      const rest = part.slice(end + 1);
      return rest ? [code, rest] : [code];
    });
  };
  const mask = (text, label) => make("mark", { class: "masked", title: plain(label) }, text);
  const plain = (text) => text.replace(/[\u0001\u0002]/g, "");
  const whole = (text) =>
    typeof text === "number" ? data.lines[text]
      : Array.isArray(text) ? text.map((line) => (typeof line === "number" ? data.lines[line] : line)).join("\n") : text;
  const masked = (text, masks) => {
    if (!masks.length) return [text];
    const known = masks.slice().sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
    const pattern = new RegExp("(" + known.map((one) => one.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|") + ")");
    return text.split(pattern).map((part, place) => (place % 2 ? mask(part, "masked: what a detector found") : part));
  };

  /* Word by word: the longest common subsequence, one bit a word (Hyyrö, 2004). */
  const WORD = /\u0001[^\u0002]*\u0002|[\p{L}\p{N}_]+|[^\p{L}\p{N}_\s]/gu;
  const wordsOf = (text, marks) => {
    const found = [];
    let position = 0;
    const upTo = (end) => {
      for (const word of text.slice(position, end).matchAll(WORD)) {
        found.push([position + word.index, position + word.index + word[0].length]);
      }
      position = end;
    };
    for (const [start, end, , isMasked] of marks) {
      if (!isMasked) continue;
      upTo(start);
      found.push([start, end]);
      position = end;
    }
    upTo(text.length);
    return found;
  };
  const pairsOf = (first, second) => {
    const shortest = Math.min(first.length, second.length);
    let start = 0;
    while (start < shortest && first[start] === second[start]) start += 1;
    let end = 0;
    while (end < shortest - start && first[first.length - 1 - end] === second[second.length - 1 - end]) end += 1;
    const pairs = [];
    for (let place = 0; place < start; place += 1) pairs.push([place, place]);
    const inner = common(first.slice(start, first.length - end), second.slice(start, second.length - end));
    for (const [one, other] of inner) pairs.push([start + one, start + other]);
    for (let back = end; back > 0; back -= 1) pairs.push([first.length - back, second.length - back]);
    return pairs;
  };
  const common = (first, second) => {
    if (!first.length || !second.length) return [];
    const bits = new Map();
    first.forEach((word, place) => bits.set(word, (bits.get(word) || 0n) | (1n << BigInt(place))));
    const everything = (1n << BigInt(first.length)) - 1n;
    let row = everything;
    const rows = [row];
    for (const word of second) {
      const equal = row & (bits.get(word) || 0n);
      if (equal) row = ((row + equal) | (row - equal)) & everything;
      rows.push(row);
    }
    const found = [];
    let left = first.length;
    let right = second.length;
    while (left && right) {
      const bit = 1n << BigInt(left - 1);
      if (rows[right] & bit) left -= 1;
      else if (rows[right - 1] & bit) found.push([(left -= 1), (right -= 1)]);
      else right -= 1;
    }
    return found.reverse();
  };
  const sameSpace = (gone, come) => {
    const shortest = Math.min(gone.length, come.length);
    let start = 0;
    while (start < shortest && gone[start] === come[start] && /\s/.test(gone[start])) start += 1;
    let end = 0;
    const last = (text) => text[text.length - 1 - end];
    while (end < shortest - start && last(gone) === last(come) && /\s/.test(last(gone))) end += 1;
    return [start, end];
  };
  const compared = (before, after, oldMarks, newMarks) => {
    const nothing = [[[null, 0, before.length]], [[null, 0, after.length]]];
    if (before === after) return nothing;
    const old = wordsOf(before, oldMarks);
    const now = wordsOf(after, newMarks);
    if (Math.max(old.length, now.length) > MOST_WORDS) return nothing;
    const cut = (text, spans) => spans.map(([start, end]) => text.slice(start, end));
    const pairs = pairsOf(cut(before, old), cut(after, now)).map(([one, other]) => [old[one], now[other]]);
    pairs.push([[before.length, before.length], [after.length, after.length]]);
    const left = [];
    const right = [];
    let [same, there, gone, come] = [0, 0, 0, 0];
    for (const [[start, end], [first, last]] of pairs) {
      const went = before.slice(gone, start);
      const came = after.slice(come, first);
      if (went !== came) {
        const [kept, back] = sameSpace(went, came);
        left.push([null, same, gone + kept], ["del", gone + kept, start - back]);
        right.push([null, there, come + kept], ["ins", come + kept, first - back]);
        [same, there] = [start - back, first - back];
      }
      [gone, come] = [end, last];
    }
    left.push([null, same, before.length]);
    right.push([null, there, after.length]);
    return [left, right];
  };
  const drawn = (text, pieces, marks) =>
    pieces.filter(([, start, end]) => start < end).flatMap(([tag, start, end]) => {
      const inside = insideOf(text, start, end, marks);
      return tag ? [make(tag, {}, ...inside)] : inside;
    });
  const insideOf = (text, start, end, marks) => {
    const parts = [];
    let position = start;
    for (const [from, to, label, isMasked] of marks) {
      const [first, last] = [Math.max(from, start), Math.min(to, end)];
      if (first >= last) continue;
      parts.push(text.slice(position, first));
      const part = text.slice(first, last);
      parts.push(isMasked ? mask(part, "masked: " + label) : make("mark", { title: plain(label) }, part));
      position = last;
    }
    parts.push(text.slice(position, end));
    return parts;
  };

  /* One case, in the form that the first ones have in the page. */
  const facts = (rows) => {
    const made = make("dl", { class: "facts" });
    for (const [name, ...value] of rows) made.append(make("div", {}, make("dt", {}, name), make("dd", {}, ...value)));
    return made;
  };
  const named = (title, values, masks) => values.length && make("div", {}, make("h3", {}, title),
    facts(values.map(([name, text]) => [name, make("span", { class: "value" }, ...masked(whole(text), masks))])));
  const side = (name, [lost, text], parts) => {
    let body = make("pre", {}, ...(text ? parts : [make("em", {}, "empty output")]));
    if (lost) {
      const said = make("p", { class: "lost" }, lost);
      body = text ? make("div", {}, said, body) : said;
    }
    return make("div", {}, make("h3", {}, name + " output"), body);
  };
  const findings = (rows, left, id) => {
    if (!rows.length) return [];
    const [first, ...names] = ["finding", "severity", "answer of", "characters", "hash", "counts"];
    const head = make("tr", { role: "row" });
    for (const name of [first, ...names]) head.append(make("th", { scope: "col", role: "columnheader" }, name));
    const body = make("tbody", { role: "rowgroup" });
    for (const [what, ...cells] of rows) {
      const waived = cells.pop();
      const hash = cells.pop();
      const code = hash ? make("code", {}, hash) : "–";
      const counts = waived === null ? ["yes"] : [make("span", { class: "badge quiet" }, "waived"), waived];
      const line = make("tr", { role: "row" }, make("th", { scope: "row", role: "rowheader" }, what));
      [...cells.map((cell) => [cell]), [code], counts].forEach((parts, place) => {
        line.append(make("td", { role: "cell", "data-label": names[place] }, ...parts));
      });
      body.append(line);
    }
    const table = make("table", { role: "table", class: "findings" }, make("caption", {}, "Findings in " + id),
      make("thead", { role: "rowgroup" }, head), body);
    const box = make("div", { class: "scroll more", tabindex: "0", role: "region", "aria-label": "Findings in " + plain(id) }, table);
    return [box, left ? make("p", { class: "note" }, left.toLocaleString("en") + " more findings are in the Parquet files.") : null];
  };
  const prompts = (sides, masks) => {
    const made = sides.filter(([, messages]) => messages.length).map(([name, messages]) => {
      const text = messages.map(([role, content]) => "[" + role + "]\n" + whole(content)).join("\n\n");
      return make("div", {}, make("h3", {}, name), make("pre", {}, ...masked(text, masks)));
    });
    return made.length && make("details", {}, make("summary", {}, "Rendered prompts"), make("div", { class: "sides" }, ...made));
  };
  const fill = (place) => {
    const target = elements[place];
    if (place < ready.length || target.children.length > 1) return;
    const [why, where, inputs, references, before, given, rows, left, lost, scores, masks] = bodyOf(place);
    const after = given.slice();
    if (after[1] === 0) after[1] = before[1];
    const [oldMarks, newMarks] = [before[2] || [], after[2] || []];
    const [old, now] = compared(before[1], after[1], oldMarks, newMarks);
    const told = scores.map((text, number) => [data.metrics[number], text]);
    if (before[3]) told.push(["baseline request key", before[3]]);
    if (after[3]) told.push(["candidate request key", after[3]]);
    put(
      target,
      why && make("p", { class: "why" }, why),
      where && make("p", { class: "note" }, where),
      named("Inputs", inputs, masks),
      named("References", references.map((text, number) => [String(number + 1), text]), masks),
      make("div", { class: "sides" },
        side("Baseline", before, drawn(before[1], old, oldMarks)), side("Candidate", after, drawn(after[1], now, newMarks))),
      ...findings(rows, left, heads[place][1]),
      lost && make("p", { class: "note" }, "The scores count the missing answer against the candidate."),
      told.length && facts(told),
      prompts([["Baseline", before[4]], ["Candidate", after[4]]], masks),
      make("p", { class: "link" }, make("a", { href: "#" + heads[place][0] }, "Link to this case")),
    );
  };
  const elementOf = (place) => {
    if (!elements[place]) {
      const [anchor, id, kinds, , change] = heads[place];
      const summary = make("summary", {}, make("span", { class: "case-id" }, id));
      for (const name of kinds.split(" ")) {
        summary.append(make("span", { class: "badge " + (COLOURS[name] || "quiet") }, LABELS[name] || name));
      }
      if (change) summary.append(make("span", { class: "change" }, change));
      elements[place] = make("details", { id: anchor, class: "case" }, summary);
      elements[place].addEventListener("toggle", () => fill(place));
    }
    return elements[place];
  };

  /* Search, filters, order. */
  const texts = [];
  const flat = (value) => (Array.isArray(value) ? value.map(flat).join("\n") : typeof value === "string" ? value : "");
  const textOf = (place) => {
    if (texts[place] === undefined) {
      const head = heads[place];
      if (place < ready.length) texts[place] = plain(ready[place].textContent.toLowerCase());
      else {
        const body = bodyOf(place);
        const written = [...body[2], ...body[3].map((text) => ["", text])].map(([name, text]) => name + "\n" + whole(text));
        const answers = [body[4], body[5]].map((one) => [one[0], one[1], one[3]]);
        texts[place] = plain([head[1], body[0], body[1], ...written, flat(answers), flat(body[6])].join("\n").toLowerCase());
      }
    }
    return texts[place];
  };
  let matches = heads.map((_, place) => place);
  let limit = Math.max(ready.length, STEP);
  const size = (place) => heads[place][3] === null ? 0 : heads[place][3];
  const SORTS = {
    best: (a, b) => size(b) - size(a) || a - b,
    least: (a, b) => size(a) - size(b) || a - b,
    id: (a, b) => (heads[a][1] < heads[b][1] ? -1 : heads[a][1] > heads[b][1] ? 1 : a - b),
  };
  const show = () => {
    list.replaceChildren(...matches.slice(0, limit).map(elementOf));
    moreLine.hidden = matches.length <= limit;
    const there = Math.min(limit, matches.length).toLocaleString("en");
    shown.textContent = matches.length.toLocaleString("en") + " of " + heads.length.toLocaleString("en") + " cases" +
      (matches.length > limit ? ", the first " + there + " listed" : "") +
      (order.value ? ", " + order.selectedOptions[0].textContent : "");
    clear.hidden = fields.every((one) => !one.value);
  };
  const apply = () => {
    const word = search.value.trim().toLowerCase();
    const [wanted, part, found] = [kind.value, slice.value, category.value];
    const [metric, way] = moved.value.split(" ").map(Number);
    matches = [];
    for (let place = 0; place < heads.length; place += 1) {
      const head = heads[place];
      if (wanted && !head[2].split(" ").includes(wanted)) continue;
      if (part && !head[5].includes(Number(part))) continue;
      if (found && !head[6].includes(Number(found))) continue;
      if (moved.value && head[7][metric] !== way) continue;
      if (word && !textOf(place).includes(word)) continue;
      matches.push(place);
    }
    if (order.value) matches.sort(SORTS[order.value]);
    limit = STEP;
    show();
  };
  const clearAll = () => {
    for (const one of fields) one.value = "";
    apply();
  };
  const showMore = () => {
    const first = limit;
    limit += STEP;
    show();
    if (list.children[first]) list.children[first].firstElementChild.focus();
  };
  const reveal = () => {
    const place = places.get(window.location.hash.slice(1));
    if (place === undefined) return;
    if (!elements[place] || !elements[place].isConnected) {
      clearAll();
      if (place >= limit) {
        matches = [place, ...matches.filter((one) => one !== place)];
        show();
      }
    }
    const target = elementOf(place);
    fill(place);
    target.open = true;
    target.scrollIntoView();
    target.firstElementChild.focus({ preventScroll: true });
  };
  const next = (step) => {
    const now = document.activeElement && document.activeElement.closest("details.case");
    const all = Array.from(list.children);
    let place = now ? all.indexOf(now) + step : step > 0 ? 0 : all.length - 1;
    if (place >= all.length && matches.length > limit) {
      limit += STEP;
      show();
    }
    place = Math.max(0, Math.min(place, list.children.length - 1));
    const target = list.children[place];
    if (target) target.firstElementChild.focus();
  };
  const KEYS = {
    j: () => next(1),
    k: () => next(-1),
    m: () => { if (!moreLine.hidden) showMore(); },
    "/": () => search.focus(),
    "?": () => { keys.open = true; keys.firstElementChild.focus(); },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inField = event.target instanceof Element && event.target.closest("input:not([type=checkbox]), select, textarea");
    if (event.key === "Escape") {
      const open = event.target instanceof Element && event.target.closest("details.case[open]");
      if (event.target === search && search.value) {
        search.value = "";
        apply();
      } else if (event.target === search) {
        search.blur();
      } else if (open) {
        open.open = false;
        open.firstElementChild.focus();
      }
    } else if (keysOn.checked && !inField && KEYS[event.key]) {
      event.preventDefault();
      KEYS[event.key]();
    }
  });

  const options = (select, names) => names.forEach((name, place) => {
    select.append(make("option", { value: String(place) }, plain(name)));
  });
  for (const [way, said] of [["-1", "worse by "], ["1", "better by "]]) {
    data.metrics.forEach((name, place) => moved.append(make("option", { value: place + " " + way }, plain(said + name))));
  }
  moved.parentElement.hidden = !data.metrics.length;
  options(slice, data.slices);
  options(category, data.categories);
  slice.parentElement.hidden = !data.slices.length;
  category.parentElement.hidden = !data.categories.length;
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  search.addEventListener("input", apply);
  for (const select of fields.slice(1)) select.addEventListener("change", apply);
  clear.addEventListener("click", () => {
    clearAll();
    search.focus();
  });
  more.addEventListener("click", showMore);
  window.addEventListener("hashchange", reveal);
  show();
  if (document.readyState === "complete") reveal();
  else window.addEventListener("load", () => setTimeout(reveal, 0));
  /* So that the first search is as quick as the others. */
  let place = 0;
  const prepare = () => {
    const end = Math.min(place + 500, heads.length);
    while (place < end) textOf(place++);
    if (place < heads.length) setTimeout(prepare, 0);
  };
  setTimeout(prepare, 200);
})();
