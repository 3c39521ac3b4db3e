// The same work in promptfoo: both variants as providers, one assertion with seven named scores, results written as JSON;
// with `--kept` also into its database and as a web page, as its users run it.
// It writes the configuration into its own folder and becomes promptfoo; `--read` turns the results into means.json instead.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');

const given = Object.fromEntries(process.argv.slice(2).map((word, i, all) => [word, all[i + 1]]).filter(([word]) => word.startsWith('--')));
const folder = path.resolve(given['--out']);
const results = path.join(folder, 'results.json');

if ('--read' in given) {
  const sums = {};
  for (const row of JSON.parse(fs.readFileSync(results, 'utf8')).results.results) {
    const sum = (sums[row.provider.id] ||= { cases: 0, figures: {} });
    sum.cases += 1;
    for (const [name, score] of Object.entries(row.namedScores)) sum.figures[name] = (sum.figures[name] || 0) + score;
  }
  const means = Object.entries(sums).map(([arm, sum]) => [arm, Object.entries(sum.figures).map(([name, total]) => [name, total / sum.cases])]);
  fs.writeFileSync(path.join(folder, 'means.json'), JSON.stringify(Object.fromEntries(means.map(([arm, list]) => [arm, Object.fromEntries(list)]))));
  process.exit(0);
}

fs.mkdirSync(folder, { recursive: true });
const lines = fs.readFileSync(given['--references'], 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
const here = (name) => `file://${path.join(__dirname, name)}`;
const config = {
  description: 'canned outputs',
  prompts: ['{{id}}'],
  providers: ['baseline', 'candidate'].map((arm) => ({ id: here('promptfoo_outputs.cjs'), label: arm, config: { arm, file: path.resolve(given[`--${arm}`]) } })),
  defaultTest: { assert: [{ type: 'javascript', value: here('promptfoo_scoring.cjs') }] },
  tests: lines.map((row) => ({ vars: { id: row.id, reference: row[given['--reference-field']] } })),
};
fs.writeFileSync(path.join(folder, 'promptfooconfig.json'), JSON.stringify(config));
const environment = { ...process.env, PROMPTFOO_CONFIG_DIR: folder, PROMPTFOO_DISABLE_TELEMETRY: '1', PROMPTFOO_DISABLE_UPDATE: '1', PROMPTFOO_DISABLE_DEBUG_LOG: '1', PROMPTFOO_DISABLE_ERROR_LOG: '1', PROMPTFOO_DISABLE_REMOTE_GENERATION: 'true' };
const kept = '--kept' in given ? ['-o', path.join(folder, 'report.html')] : ['--no-write'];
const options = ['eval', '-c', path.join(folder, 'promptfooconfig.json'), '-o', results, ...kept, '--no-cache', '--no-table', '--no-progress-bar'];
const done = spawnSync(process.execPath, [given['--program'], ...options], { stdio: 'inherit', env: environment });
process.exit(done.status === null ? 1 : done.status);
