// naos against the official conformance suite of the Model Context Protocol, as a server and as a
// client: each scenario of each version is compared with what is kept in scenarios.json, and with
// the tables in the docs.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { clients } from './clients.mjs';
import { Fixtures } from './fixtures.mjs';
import { Office } from './office.mjs';
import { servers } from './servers.mjs';

const here = import.meta.dirname;
const SUITE = path.join(here, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
const KEPT = JSON.parse(readFileSync(path.join(here, 'scenarios.json'), 'utf8'));
const versions = {
  '2025-06-18': ['--spec-version', '2025-06-18'],
  '2025-11-25': ['--requirements', '2025-11-25'],
  '2026-07-28': ['--requirements', '2026-07-28'],
};

// The checks of each scenario that the suite ran.
async function suite(words) {
  const out = mkdtempSync(path.join(tmpdir(), 'naos-mcp-suite-'));
  const all = [SUITE, ...words, '--output-dir', out];
  const run = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [run.stdout, run.stderr]) stream.on('data', (text) => (said += text));
  await new Promise((done) => run.once('close', done));
  const found = {};
  for (const file of readdirSync(out, { recursive: true })) {
    if (path.basename(file) !== 'checks.json') continue;
    const folder = path.dirname(file);
    const scenario = folder.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, '');
    found[scenario] = JSON.parse(readFileSync(path.join(out, file), 'utf8'));
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

function table(found, kept, sums) {
  const names = [...new Set(Object.values(found).flatMap(Object.keys))].sort();
  const lines = [
    `| scenario | ${Object.keys(found).join(' | ')} | why |`,
    `|---|${'---|'.repeat(Object.keys(found).length)}---|`,
  ];
  for (const name of names) {
    const words = Object.values(found).map((all) => all[name]?.shown ?? all[name]?.word ?? '');
    lines.push(`| \`${name}\` | ${words.join(' | ')} | ${why(kept, found, name)} |`);
  }
  for (const [title, all] of Object.entries(sums)) {
    lines.push(`| **${title}** | ${Object.values(all).map(sum).join(' | ')} | |`);
  }
  return lines.join('\n');
}

function sum(all) {
  const count = { passed: 0, failed: 0, 'not applicable': 0 };
  for (const { word } of Object.values(all)) if (word) count[word]++;
  return Object.entries(count).map(([word, n]) => `${n} ${word}`).join(', ');
}

function compareDocs(name, mark, text) {
  const file = path.join(here, '../../docs', name);
  const docs = readFileSync(file, 'utf8');
  const [begin, end] = [`<!-- ${mark} -->\n`, `\n<!-- /${mark} -->`];
  const from = docs.indexOf(begin) + begin.length;
  const to = docs.indexOf(end);
  assert.ok(from >= begin.length && to >= from, `${file} has no place for the table`);
  if (docs.slice(from, to) === text) return;
  if (process.argv.includes('--write')) {
    writeFileSync(file, docs.slice(0, from) + text + docs.slice(to));
    console.log(`docs/${name}: written`);
    return;
  }
  throw new Error(`the table in docs/${name} is another one; tests/mcp/run --write writes it`);
}

// What became of every scenario of every version.
async function judged(kept, title, versions, words) {
  const found = {};
  const wrong = [];
  for (const [version, how] of Object.entries(versions)) {
    found[version] = {};
    for (const [scenario, checks] of Object.entries(await suite([...words, ...how]))) {
      const became = verdict(kept, version, scenario, checks);
      if (became.wrong !== undefined) wrong.push(`${version} ${scenario}: ${became.wrong}`);
      found[version][scenario] = became;
    }
    console.log(`${title}, ${version}: ${sum(found[version])}`);
  }
  assert.deepEqual(wrong, [], wrong.join('\n'));
  return found;
}

async function asServer(office) {
  const kept = KEPT.server;
  const words = (url) => ['server', '--url', url];
  const naos = await judged(kept, 'server', versions, words(`${await office.door()}/mcp`));
  // With the suite's own tools, prompts and things to read these apply, too, and nothing else.
  const excused = Object.entries(kept.notApplicable).filter(([name]) => !KEPT.fixtures.includes(name));
  const own = { ...kept, notApplicable: Object.fromEntries(excused) };
  // Who asks, and from where, is looked at before; a server for the suite alone has no such door.
  own.notApplicable['dns-rebinding-protection'] = 'the door is the product\'s';
  const fixtures = new Fixtures();
  try {
    await fixtures.open();
    await fixtures.compare();
    const with_ = await judged(own, 'server with fixtures', versions, words(fixtures.url));
    const both = {};
    for (const [version, all] of Object.entries(naos)) {
      both[version] = {};
      for (const [scenario, { word }] of Object.entries(all)) {
        const more = word === 'not applicable' && with_[version][scenario]?.word === 'passed';
        const shown = more ? 'passed with fixtures' : word;
        both[version][scenario] = { word, shown };
      }
    }
    const sums = { naos, 'with fixtures': with_ };
    compareDocs('mcp.md', 'scenarios', table(both, kept, sums));
  } finally {
    fixtures.close();
  }
}

async function asClient() {
  const command = `${process.execPath} ${path.join(here, 'probe.mjs')}`;
  const { '2025-06-18': _, ...these } = versions;
  const found = await judged(KEPT.client, 'client', these, ['client', '--command', command]);
  compareDocs('tools.md', 'client scenarios', table(found, KEPT.client, { all: found }));
}

const office = new Office();
try {
  await office.open();
  await asServer(office);
  await clients(office);
} finally {
  await office.close();
}
await asClient();
for (const [name, tools] of Object.entries(await servers())) {
  console.log(`server ${name}: ${tools.length} tools looked at, and called`);
}
