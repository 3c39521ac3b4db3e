// The seven figures of one output for promptfoo, in plain JavaScript: Node has no sacrebleu and no rouge-score, and no
// process is started for a case. The digits are held against the Python libraries by whole_compare.py.
'use strict';

const ngrams = (items, n) => {
  const found = new Map();
  for (let i = 0; i + n <= items.length; i++) {
    const key = n === 1 ? items[i] : items.slice(i, i + n).join(items.glue);
    found.set(key, (found.get(key) || 0) + 1);
  }
  return found;
};

const shared = (one, other) => {
  let sum = 0;
  for (const [key, count] of one) sum += Math.min(count, other.get(key) || 0);
  return sum;
};

const words = (list) => Object.assign(list, { glue: ' ' });
const split = (text) => text.split(/\s+/).filter(Boolean);

// mteval-v13a
const tokens13a = (text) => {
  let line = text.replaceAll('<skipped>', '').replaceAll('-\n', '').replaceAll('\n', ' ');
  line = line.replaceAll('&quot;', '"').replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>');
  line = ` ${line} `.replace(/[{-~[-` -&(-+:-@/]/g, ' $& ').replace(/([^0-9])([.,])/g, '$1 $2 ');
  return words(split(line.replace(/([.,])([^0-9])/g, ' $1 $2').replace(/([0-9])(-)/g, '$1 $2 ')));
};

// Sentence BLEU: exponential smoothing, effective order.
const bleu = (reference, output) => {
  const [wanted, given] = [tokens13a(reference), tokens13a(output)];
  let [sum, orders, halving, any] = [0, 0, 1, 0];
  for (let n = 1; n <= 4 && given.length >= n; n++) {
    const [total, hits] = [given.length - n + 1, shared(ngrams(given, n), ngrams(wanted, n))];
    if (hits === 0) halving *= 2;
    any += hits;
    sum += Math.log(hits === 0 ? 100 / (halving * total) : (100 * hits) / total);
    orders = n;
  }
  if (any === 0) return 0;
  return (given.length < wanted.length ? Math.exp(1 - wanted.length / given.length) : 1) * Math.exp(sum / orders);
};

const chrf = (reference, output) => {
  const characters = (text) => Object.assign(Array.from(split(text).join('')), { glue: '' });
  const [wanted, given] = [characters(reference), characters(output)];
  let [precision, recall, orders] = [0, 0, 0];
  for (let n = 1; n <= 6; n++) {
    const [inOutput, inReference] = [given.length - n + 1, wanted.length - n + 1];
    if (inOutput <= 0 || inReference <= 0) continue;
    const hits = shared(ngrams(given, n), ngrams(wanted, n));
    [precision, recall, orders] = [precision + hits / inOutput, recall + hits / inReference, orders + 1];
  }
  if (orders === 0) return 0;
  [precision, recall] = [precision / orders, recall / orders];
  return precision + recall === 0 ? 0 : (100 * 5 * precision * recall) / (4 * precision + recall);
};

const f = (hits, inOutput, inReference) => {
  if (inOutput <= 0 || inReference <= 0 || hits === 0) return 0;
  const [precision, recall] = [hits / inOutput, hits / inReference];
  return (2 * precision * recall) / (precision + recall);
};

const lcs = (one, other) => {
  let before = new Uint32Array(other.length + 1);
  for (const word of one) {
    const row = new Uint32Array(other.length + 1);
    for (let j = 1; j <= other.length; j++) row[j] = word === other[j - 1] ? before[j - 1] + 1 : Math.max(before[j], row[j - 1]);
    before = row;
  }
  return before[other.length];
};

const rouge = (reference, output) => {
  const tokens = (text) => words(text.toLowerCase().match(/[a-z0-9]+/g) || []);
  const [wanted, given] = [tokens(reference), tokens(output)];
  const each = (n) => f(shared(ngrams(given, n), ngrams(wanted, n)), given.length - n + 1, wanted.length - n + 1);
  return { rouge1: each(1), rouge2: each(2), rougeL: f(lcs(wanted, given), given.length, wanted.length) };
};

const tokenF1 = (reference, output) => {
  const plain = (text) => text.toLowerCase().replace(/[!-/:-@[-`{-~]/g, '').replace(/\b(a|an|the)\b/g, ' ');
  const [wanted, given] = [words(split(plain(reference))), words(split(plain(output)))];
  if (!wanted.length || !given.length) return wanted.length === given.length ? 1 : 0;
  return f(shared(ngrams(given, 1), ngrams(wanted, 1)), given.length, wanted.length);
};

module.exports = (output, context) => {
  const reference = context.vars.reference;
  const namedScores = {
    bleu: bleu(reference, output),
    chrf: chrf(reference, output),
    ...rouge(reference, output),
    exact_match: output === reference ? 1 : 0,
    token_f1: tokenF1(reference, output),
  };
  return { pass: true, score: namedScores.rougeL, reason: 'measured', namedScores };
};
