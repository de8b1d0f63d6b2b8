// naos against the official conformance suite of the Model Context Protocol: each scenario of each
// version is compared with what is kept in scenarios.json, and with the table in the docs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { clients } from './clients.mjs';
import { Office } from './office.mjs';
import { servers } from './servers.mjs';

const here = import.meta.dirname;
const SUITE = path.join(here, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
const DOCS = path.join(here, '../../docs/mcp.md');
const KEPT = path.join(here, 'scenarios.json');
const versions = {
  '2025-06-18': ['--spec-version', '2025-06-18'],
  '2025-11-25': ['--requirements', '2025-11-25'],
  '2026-07-28': ['--requirements', '2026-07-28'],
};

async function suite(url, how) {
  const out = mkdtempSync(path.join(tmpdir(), 'naos-mcp-suite-'));
  const words = [SUITE, 'server', '--url', url, '--output-dir', out, ...how];
  const run = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [run.stdout, run.stderr]) stream.on('data', (text) => (said += text));
  await new Promise((done) => run.once('close', done));
  const found = {};
  for (const folder of readdirSync(out)) {
    const scenario = folder.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, '');
    const checks = JSON.parse(readFileSync(path.join(out, folder, 'checks.json'), 'utf8'));
    found[scenario] = checks;
  }
  rmSync(out, { recursive: true, force: true });
  assert.ok(Object.keys(found).length > 0, `the suite ran nothing:\n${said}`);
  return found;
}

// Why a scenario, or one of its checks, says nothing about naos.
const reason = (kept, version, scenario) =>
  kept.notApplicable[`${version} ${scenario}`] ?? kept.notApplicable[scenario];

// What became of a scenario. What is kept must be so, in both directions: a check that is excused
// and passes is as wrong as one that fails.
function verdict(kept, version, scenario, checks) {
  const excused = kept.checks[scenario] ?? {};
  const failures = checks.filter((check) => check.status === 'FAILURE');
  const told = failures
    .filter(({ id }) => !(id in excused))
    .map(({ id, errorMessage, description }) => `${id}: ${errorMessage ?? description}`);
  const well = checks.filter(({ id, status }) => status === 'SUCCESS' && id !== 'wire-schema-valid');
  const forms = checks.filter(({ id, status }) => id === 'wire-schema-valid' && status !== 'SUCCESS');
  if (forms.length > 0) return { wrong: `its messages have another shape: ${told.join('; ')}` };
  if (reason(kept, version, scenario) !== undefined) return { word: 'not applicable' };
  const known = kept.failed[`${version} ${scenario}`];
  if (known !== undefined) {
    return told.length === 0 ? { wrong: 'passes, and is kept as failed' } : { word: 'failed' };
  }
  if (told.length > 0) return { wrong: told.join('; ') };
  const missing = Object.keys(excused).filter((id) => !failures.some((check) => check.id === id));
  if (missing.length > 0) return { wrong: `passes, and is excused: ${missing}` };
  return well.length > 0 ? { word: 'passed' } : { wrong: 'nothing was checked' };
}

function why(kept, found, name) {
  const whys = new Set();
  for (const [version, all] of Object.entries(found)) {
    if (all[name]?.word === 'not applicable') {
      whys.add(reason(kept, version, name));
    } else if (all[name]?.word === 'failed') {
      whys.add(kept.failed[`${version} ${name}`]);
    }
  }
  const excused = Object.entries(kept.checks[name] ?? {});
  if (excused.length > 0) {
    const tools = [...new Set(excused.map(([, text]) => text.match(/`(.*)`/)[1]))];
    const rest = `but for ${excused.length} checks that ask for diagnostic tools of the suite's own`;
    whys.add(`${rest}: ${tools.map((tool) => `\`${tool}\``).join(', ')}`);
  }
  return [...whys].join('; ');
}

function table(found, kept) {
  const names = [...new Set(Object.values(found).flatMap(Object.keys))].sort();
  const lines = [
    `| scenario | ${Object.keys(found).join(' | ')} | why |`,
    `|---|${'---|'.repeat(Object.keys(found).length)}---|`,
  ];
  for (const name of names) {
    const words = Object.values(found).map((all) => all[name]?.word ?? '');
    lines.push(`| \`${name}\` | ${words.join(' | ')} | ${why(kept, found, name)} |`);
  }
  lines.push(`| **all** | ${Object.values(found).map(sum).join(' | ')} | |`);
  return lines.join('\n');
}

function sum(all) {
  const count = { passed: 0, failed: 0, 'not applicable': 0 };
  for (const { word } of Object.values(all)) if (word) count[word]++;
  return Object.entries(count).map(([word, n]) => `${n} ${word}`).join(', ');
}

function compareDocs(text) {
  const docs = readFileSync(DOCS, 'utf8');
  const [begin, end] = ['<!-- scenarios -->\n', '\n<!-- /scenarios -->'];
  const from = docs.indexOf(begin) + begin.length;
  const to = docs.indexOf(end);
  assert.ok(from >= begin.length && to >= from, `${DOCS} has no place for the table`);
  if (docs.slice(from, to) === text) return;
  if (process.argv.includes('--write')) {
    writeFileSync(DOCS, docs.slice(0, from) + text + docs.slice(to));
    console.log('docs/mcp.md: written');
    return;
  }
  throw new Error('the table in docs/mcp.md is another one; tests/mcp/run --write writes it');
}

async function conformance(office) {
  const kept = JSON.parse(readFileSync(KEPT, 'utf8'));
  const url = `${await office.door()}/mcp`;
  const found = {};
  const wrong = [];
  for (const [version, how] of Object.entries(versions)) {
    found[version] = {};
    for (const [scenario, checks] of Object.entries(await suite(url, how))) {
      const became = verdict(kept, version, scenario, checks);
      if (became.wrong !== undefined) wrong.push(`${version} ${scenario}: ${became.wrong}`);
      found[version][scenario] = became;
    }
    console.log(`suite, ${version}: ${sum(found[version])}`);
  }
  assert.deepEqual(wrong, [], wrong.join('\n'));
  compareDocs(table(found, kept));
}

const office = new Office();
try {
  await office.open();
  await conformance(office);
  await clients(office);
} finally {
  await office.close();
}
for (const [name, tools] of Object.entries(await servers())) {
  console.log(`server ${name}: ${tools.length} tools looked at, and called`);
}
