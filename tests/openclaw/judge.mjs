// Agents whose turns the real gateway of OpenClaw does.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Gateway, freePort, until } from './gateway.mjs';
import { Model } from './model.mjs';
import { Office } from './office.mjs';

const folder = mkdtempSync(join(tmpdir(), 'naos-openclaw-'));
const model = new Model();
await model.open();
const main = new Gateway(folder, 'main', model);
const riake = new Gateway(folder, 'riake', model);
let office;

const manifest = (gateway, variable) => `
type: model
name: claw
provider: openclaw
endpoint: ws://127.0.0.1:${gateway.port}
model: main
key: env:${variable}
cost_per_call: $0.50
cost_per_1m_tokens: {input: 1.00, output: 10.00}
---
type: agent
name: jarvis
engine: claw
prompt: You help an office in Toamasina.
budget: {limit: $5, period: day}
`;

const ask = (text, more = []) => office.naos(['run', 'jarvis', '--input', text, '--json', ...more]);
const stands = async (run) => (await office.naos(['get', 'run', run, '--json'])).json();
const ended = (run) =>
  until(`the end of ${run}`, async () => {
    const found = await stands(run);
    return !['queued', 'running'].includes(found.status) && found;
  });

/** One turn in one session: one message of naos, one answer. */
function once(sessions, text) {
  const own = sessions.filter(({ messages }) => JSON.stringify(messages).includes(text));
  assert.equal(own.length, 1, `one session for ${text}`);
  const roles = own[0].messages.map(({ role }) => role);
  assert.deepEqual(roles, ['user', 'assistant'], JSON.stringify(own[0].messages));
}

const parts = {
  async 'a turn is answered, told of who asks, and paid by what it used'() {
    const done = (await ask('Which bill is due?')).json();
    assert.equal(done.status, 'completed');
    assert.equal(done.output, `${main.key} says 1`);
    assert.equal(done.tier, 'model');
    assert.equal(done.cost_micros, 100 + 70, '100 tokens read and 7 written');
    const [{ text }] = model.of(main.key);
    assert.ok(text.includes('You help an office in Toamasina.'), 'the prompt of the manifest');
    assert.ok(text.includes('Which bill is due?'));
    once(await main.sessions(), 'Which bill is due?');
    const audit = (await office.naos(['audit', '--last', '200', '--json'])).stdout;
    assert.ok(!audit.includes(main.token), 'the token is in no fact');
  },

  async 'naos is killed in the middle of a turn, and asks for no second one'() {
    model.hold();
    const before = model.asked.length;
    const { run } = (await ask('Killed in the middle?', ['--no-wait'])).json();
    await until('the model', () => model.asked.length > before);
    await office.kill();
    await office.up();
    const status = (await office.naos(['cost', 'status', '--json'])).json();
    assert.equal(status.budgets[0].reserved_micros, 500_000, 'set aside once');
    model.release();
    const done = await ended(run);
    assert.equal(done.status, 'completed', JSON.stringify(done));
    assert.equal(done.output, `${main.key} says ${before + 1}`);
    assert.equal(done.cost_micros, 170);
    assert.equal(model.asked.length, before + 1, 'the model was asked once');
    once(await main.sessions(), 'Killed in the middle?');
  },

  async 'the turn ends while naos is away, and its answer is taken'() {
    model.hold();
    const before = model.asked.length;
    const { run } = (await ask('Ended without us?', ['--no-wait'])).json();
    await until('the model', () => model.asked.length > before);
    await office.kill();
    model.release();
    await until('the answer', async () => {
      const found = await main.sessions();
      const own = found.find(({ messages }) => JSON.stringify(messages).includes('Ended without'));
      return own?.messages.at(-1).role === 'assistant';
    });
    await office.up();
    const done = await ended(run);
    assert.equal(done.status, 'completed', JSON.stringify(done));
    assert.equal(done.output, `${main.key} says ${before + 1}`);
    assert.equal(model.asked.length, before + 1, 'the model was asked once');
    once(await main.sessions(), 'Ended without us?');
  },

  async 'the gateway is killed in the middle of a turn: it takes it up itself, naos asks for none'() {
    model.hold();
    const before = model.asked.length;
    const { run } = (await ask('Both of us?', ['--no-wait'])).json();
    await until('the model', () => model.asked.length > before);
    await main.kill();
    model.release();
    await main.open();
    const done = await ended(run);
    assert.equal(done.status, 'completed', JSON.stringify(done));
    assert.match(done.output, new RegExp(`^${main.key} says \\d+$`));
    const own = (await main.sessions()).filter(({ messages }) =>
      JSON.stringify(messages).includes('Both of us?'),
    );
    assert.equal(own.length, 1, 'one session');
    const asked = own[0].messages.filter(({ content }) =>
      JSON.stringify(content).includes('Both of us?'),
    );
    assert.equal(asked.length, 1, 'naos said it once');
  },

  async 'another tenant has another gateway, another token and other keys'() {
    await riake.open();
    const { tenant } = (await office.naos(['tenant', 'create', 'riake', '--json'])).json();
    const variable = `NAOS_MODEL_${tenant.toUpperCase()}_CLAW`;
    await office.kill();
    office.env[variable] = riake.token;
    await office.up();
    const theirs = ['--tenant', 'riake'];
    const stolen = manifest(main, 'NAOS_MODEL_CLAW');
    const refused = await office.naos(['apply', '-f', '-', ...theirs], { input: stolen, exit: 2 });
    assert.match(refused.stderr, /the keys of this tenant begin with/);
    await office.naos(['apply', '-f', '-', ...theirs], { input: manifest(riake, variable) });
    const done = (await ask('What is theirs?', theirs)).json();
    assert.equal(done.output, `${riake.key} says 1`);
    once(await riake.sessions(), 'What is theirs?');
    const mine = JSON.stringify(await main.sessions());
    assert.ok(!mine.includes('What is theirs?'), 'the other gateway never heard of it');
    // Their gateway doesn't take the main tenant's token.
    await office.naos(['apply', '-f', '-'], { input: manifest(riake, 'NAOS_MODEL_CLAW') });
    const wrong = await office.naos(['run', 'jarvis', '--input', 'Mine?', '--json'], { exit: 1 });
    const told = JSON.stringify(await stands(wrong.json().run));
    assert.match(told, /gateway token mismatch/);
    assert.ok(!told.includes(main.token) && !wrong.stderr.includes(main.token));
    assert.equal(wrong.json().cost_micros, 0, 'nothing was asked');
  },

  async 'a gateway that is away is said to be, and costs nothing'() {
    await riake.kill();
    const words = ['run', 'jarvis', '--input', 'Anybody?', '--json', '--tenant', 'riake'];
    const gone = (await office.naos(words, { exit: 1 })).json();
    assert.equal(gone.cost_micros, 0);
    const found = await office.naos(['get', 'run', gone.run, '--json', '--tenant', 'riake']);
    assert.match(found.stdout, /could not reach 127\.0\.0\.1/);
  },
};

try {
  await main.open();
  riake.port = await freePort();
  office = new Office(folder, [main.port, riake.port]);
  office.env.NAOS_MODEL_CLAW = main.token;
  await office.naos(['init', '.']);
  await office.up();
  await office.naos(['apply', '-f', '-'], { input: manifest(main, 'NAOS_MODEL_CLAW') });
  for (const [name, part] of Object.entries(parts)) {
    const began = Date.now();
    await part();
    console.log(`${name}: ok, ${Math.round((Date.now() - began) / 1_000)} s`);
  }
} finally {
  await office?.kill();
  await main.kill();
  await riake.kill();
  model.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
