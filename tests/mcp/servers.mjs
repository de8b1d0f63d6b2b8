// Agents of naos call tools of the official servers: filesystem and memory as programs, everything
// as a program and over HTTP. The model is a script: it calls what it is told to, and repeats what
// came of it.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { NAOS, Office } from './office.mjs';

const here = import.meta.dirname;
const server = (name) => path.join(here, 'node_modules/@modelcontextprotocol', name, 'dist/index.js');

// Speaks chat completions, in a stream. A task that is JSON names the calls to make, one a turn.
function model() {
  const listener = http.createServer((request, response) => {
    let text = '';
    request.on('data', (piece) => (text += piece));
    request.on('end', () => {
      const asked = JSON.parse(text);
      const calls = JSON.parse(asked.messages.find((said) => said.role === 'user').content);
      const results = asked.messages.filter((said) => said.role === 'tool');
      const next = calls[results.length];
      const delta = next
        ? { tool_calls: [{ index: 0, id: `c${results.length}`, type: 'function',
            function: { name: next[0], arguments: JSON.stringify(next[1]) } }] }
        : { content: results.map((said) => said.content).join('\n---\n') };
      const each = [
        { choices: [{ index: 0, delta: { role: 'assistant', ...delta }, finish_reason: null }] },
        { choices: [{ index: 0, delta: {}, finish_reason: next ? 'tool_calls' : 'stop' }] },
        { choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } },
      ];
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const chunk of each) {
        const whole = { id: 'x', object: 'chat.completion.chunk', created: 1, model: 'm', ...chunk };
        response.write(`data: ${JSON.stringify(whole)}\n\n`);
      }
      response.end('data: [DONE]\n\n');
    });
  });
  return new Promise((done) => listener.listen(0, '127.0.0.1', () => done(listener)));
}

const free = () => new Promise((done) => {
  const probe = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => done(port));
  });
});

async function everything(port) {
  const env = { ...process.env, PORT: String(port) };
  const words = [server('server-everything'), 'streamableHttp'];
  const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text) => (said += text));
  for (const deadline = Date.now() + 30_000; ; ) {
    const answer = await fetch(`http://127.0.0.1:${port}/mcp`).catch(() => undefined);
    if (answer) return child;
    assert.ok(Date.now() < deadline && child.exitCode === null, `it doesn't listen: ${said}`);
    await new Promise((done) => setImmediate(done));
  }
}

// The model answers from this very process: whoever waits for naos lets it.
function ran(office, words, input = '') {
  return new Promise((done, failed) => {
    const options = { cwd: office.folder, env: office.env };
    const told = (error, out, said) => (error ? failed(new Error(`${words}: ${out}${said}`)) : done(out));
    const { stdin } = execFile(NAOS, words, options, told);
    stdin.on('error', () => {}); // a command that ended reads no more, and says how it ended
    stdin.end(input);
  });
}

export async function servers() {
  const office = new Office();
  const naos = (...given) => ran(office, ...given);
  const listener = await model();
  const port = await free();
  const remote = await everything(port);
  const shelf = path.join(office.folder, 'shelf');
  mkdirSync(shelf);
  writeFileSync(path.join(shelf, 'first.txt'), 'Germinal stands in the third row.');
  office.env.NAOS_TOOL_PROGRAMS = process.execPath;
  office.env.NAOS_ALLOW_LOOPBACK_PORTS = `${listener.address().port},${port}`;
  try {
    await naos(['init', '.']);
    await office.up();
    const program = (name, ...more) => ({ command: process.execPath, args: [server(name), ...more] });
    const named = {
      files: program('server-filesystem', shelf),
      memory: program('server-memory'),
      all: program('server-everything', 'stdio'),
      web: { url: `http://127.0.0.1:${port}/mcp` },
    };
    await naos(['apply', '-f', '-'], JSON.stringify({
      mcpServers: named,
      models: { scripted: { provider: 'openai-compatible', model: 'm', capabilities: ['text', 'tools'],
        endpoint: `http://127.0.0.1:${listener.address().port}/v1`,
        cost_per_1m_tokens: { input: 1, output: 1 } } },
      agents: { clerk: { model: 'scripted', prompt: 'You look.',
        tools: Object.keys(named).map((name) => `${name}.*`) } },
    }));
    const offered = {};
    for (const name of Object.keys(named)) {
      const look = JSON.parse(await naos(['tools', 'look', name, '--json']));
      offered[name] = look.items.map((item) => item.tool);
      assert.ok(offered[name].length > 3, `${name} offers ${offered[name]}`);
      await naos(['tools', 'approve', name, '--seen', look.seen]);
      const again = JSON.parse(await naos(['tools', 'look', name, '--json']));
      assert.ok(again.items.every((item) => item.state === 'same'), `${name} says two things`);
    }
    const ask = async (...calls) => {
      const words = ['run', 'clerk', '--input', JSON.stringify(calls), '--json'];
      return JSON.parse(await naos(words)).output;
    };
    const read = (file) => ['files__read_text_file', { path: file }];
    const seen = await ask(read(path.join(shelf, 'first.txt')), read('/etc/hostname'));
    assert.match(seen, /Germinal stands in the third row/);
    assert.match(seen, /denied|outside/i);
    const entity = { name: 'Rabe', entityType: 'client', observations: ['pays late'] };
    const known = await ask(['memory__create_entities', { entities: [entity] }], ['memory__read_graph', {}]);
    assert.match(known, /pays late[^]*---[^]*pays late/);
    for (const name of ['all', 'web']) {
      assert.match(await ask([`${name}__echo`, { message: 'salama' }]), /salama/, name);
    }
    const log = await naos(['audit', '--last', '200']);
    assert.ok(log.split('agent.called').length > 12, 'each call is journaled');
    return offered;
  } finally {
    await office.close();
    listener.closeAllConnections();
    listener.close();
    remote.kill('SIGKILL');
  }
}
