// The official clients of TypeScript, in both of the protocol's ways, over HTTP and stdio.
import assert from 'node:assert/strict';
import { Client as NewClient, StreamableHTTPClientTransport as NewHttp } from '@modelcontextprotocol/client';
import { StdioClientTransport as NewStdio } from '@modelcontextprotocol/client/stdio';
import { Client as OldClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as OldStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as OldHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { NAOS } from './office.mjs';

const about = { name: 'naos-judge', version: '1.0.0' };
const NEW = '2026-07-28';

const ways = {
  '2025-11-25': {
    client: () => new OldClient(about),
    http: (url, options) => new OldHttp(url, options),
    stdio: (options) => new OldStdio(options),
    call: (client, params, options) => client.callTool(params, undefined, options),
  },
  [NEW]: {
    client: () => new NewClient(about, { versionNegotiation: { mode: { pin: NEW } } }),
    http: (url, options) => new NewHttp(url, options),
    stdio: (options) => new NewStdio(options),
    call: (client, params, options) => client.callTool(params, options),
  },
};

async function withClient(way, transport, use) {
  const client = way.client();
  await client.connect(transport);
  try {
    const call = async (name, given = {}, options = {}) => {
      const params = { name, arguments: given };
      const result = await way.call(client, params, options);
      assert.equal(result.content.length, 1);
      if (result.isError) return { refused: result.content[0].text };
      assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent);
      return result.structuredContent;
    };
    await use(client, call);
  } finally {
    await client.close();
  }
}

// A run whose progress was heard. The older client forgets whom a notice is for once the answer is
// read, and so loses one that comes in the same read of a pipe: a short run is then started again.
async function runsHeard(call) {
  const given = { agent: 'clerk', input: 'The bill of Riake?' };
  const until = Date.now() + 20000;
  for (;;) {
    const heard = [];
    const run = await call('runs_start', given, { onprogress: (said) => heard.push(said) });
    if (heard.length > 0) {
      assert.ok(heard[0].message.includes(run.run), JSON.stringify(heard));
      return run;
    }
    assert.ok(Date.now() < until, 'no progress of any run was heard');
  }
}

// Having listed tools, a client holds each answer against what the tool said that it gives.
async function works(client, call) {
  const { tools } = await client.listTools();
  const names = tools.map((tool) => tool.name);
  for (const name of ['runs_start', 'approvals_decide', 'documents_read', 'audit_verify']) {
    assert.ok(names.includes(name), `${name}: ${names}`);
  }
  assert.equal(new Set(names).size, names.length);

  const run = await runsHeard(call);
  assert.equal(run.output, 'The bill of Riake?');
  assert.equal(run.status, 'completed');
  assert.equal((await call('tasks_get', { task: run.task })).status, 'done');
  const { refused } = await call('runs_get', { run: 'nobody' });
  assert.match(refused, /^there is no run nobody .*\[N\d{4}\]$/);

  await call('documents_write', { path: 'notes/riake.md', text: 'Paid.' });
  const { resources } = await client.listResources();
  const uri = 'naos://documents/notes/riake.md';
  assert.ok(resources.some((found) => found.uri === uri));
  const { contents } = await client.readResource({ uri });
  assert.deepEqual(contents, [{ uri, mimeType: 'text/markdown', text: 'Paid.' }]);

  const { prompts } = await client.listPrompts();
  assert.deepEqual(prompts.map((prompt) => prompt.name), ['waiting', 'delegate', 'day']);
  const begun = await client.getPrompt({ name: 'delegate', arguments: { task: 'Pay Riake.' } });
  assert.ok(begun.messages[0].content.text.endsWith('Pay Riake.'));
  const { completion } = await client.complete({
    ref: { type: 'ref/resource', uri: 'naos://documents/{+path}' },
    argument: { name: 'path', value: 'notes/ri' },
  });
  assert.deepEqual(completion.values, ['notes/riake.md']);

  const listed = [
    'whoami', 'status', 'agents_list', 'tasks_list', 'runs_list', 'approvals_list',
    'documents_list', 'audit_last', 'audit_list', 'audit_verify', 'costs',
  ];
  for (const name of listed) {
    const told = await call(name);
    assert.equal(told.refused, undefined, `${name}: ${told.refused}`);
  }
  assert.equal((await call('audit_verify')).ok, true);
  const found = await call('documents_search', { query: 'paid', prefix: 'notes/' });
  assert.equal(found.items[0].document, 'notes/riake.md');
}

async function decides(office, call) {
  const started = await office.api('POST', '/plans/letter/start', { wait_ms: 20000 });
  assert.equal(started.status, 'held');
  const { items } = await call('approvals_list', { status: 'pending' });
  assert.equal(items.length, 1);
  const { approval, seen, body } = await call('approvals_get', { approval: items[0].approval });
  assert.equal(body, 'Dear Rabe');
  const stale = { approval, approve: true, seen: '00'.repeat(32) };
  assert.match((await call('approvals_decide', stale)).refused, /\[N0132\]/);
  const done = await call('approvals_decide', { approval, approve: true, seen });
  assert.equal(done.plan, started.run);
}

export async function clients(office) {
  const staff = await office.api('POST', '/members', { name: 'Soa', role: 'staff' });
  const url = new URL(`${office.url}/mcp`);
  const as = (token) => ({ requestInit: { headers: { authorization: `Bearer ${token}` } } });
  for (const [version, way] of Object.entries(ways)) {
    await withClient(way, way.http(url, as(office.token)), async (client, call) => {
      assert.equal(client.getServerVersion().name, 'naos');
      await works(client, call);
      await decides(office, call);
    });
    await withClient(way, way.http(url, as(staff.token)), async (client, call) => {
      const { tools } = await client.listTools();
      assert.ok(!tools.some((tool) => tool.name === 'agents_stop'));
      const { refused } = await call('agents_stop', { agent: 'clerk' });
      assert.match(refused, /takes the role admin, yours is staff.*\[N0141\]/);
    });
    await assert.rejects(way.client().connect(way.http(url, as('nobody'))));
    console.log(`client, ${version}, HTTP: ok`);

    // Started by its client: beside the daemon, and without one.
    const stdio = { command: NAOS, args: ['mcp'], cwd: office.folder, stderr: 'inherit' };
    await withClient(way, way.stdio({ ...stdio, env: office.env }), works);
    const env = { ...office.env, NAOS_TOKEN: staff.token };
    await office.down();
    await withClient(way, way.stdio({ ...stdio, env }), async (client, call) => {
      assert.equal((await call('whoami')).role, 'staff');
      await works(client, call);
      // The daemon comes in between two calls, and is who is asked from there on.
      await office.up();
      assert.equal((await call('whoami')).name, 'Soa');
      await works(client, call);
    });
    url.port = new URL(office.url).port;
    console.log(`client, ${version}, stdio: ok`);
  }
}
