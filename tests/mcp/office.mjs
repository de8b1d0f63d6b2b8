// A naos with an agent, a question that waits for a person, and a document; and a way to it for
// programs that can't show a token.
import { spawn, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

export const NAOS = process.env.NAOS;

const PLAN = `type: plan
name: letter
steps:
  - {name: ask, approval: {title: "Send it?", body: "Dear Rabe"}}
`;

export class Office {
  constructor() {
    this.folder = mkdtempSync(path.join(tmpdir(), 'naos-mcp-'));
    this.env = { ...process.env };
    for (const name of Object.keys(this.env)) {
      if (/^(NAOS|NEXUS)/.test(name)) delete this.env[name];
    }
  }

  naos(words, input = '') {
    const options = { cwd: this.folder, env: this.env, input, encoding: 'utf8' };
    return execFileSync(NAOS, words, options);
  }

  async open() {
    this.naos(['init', '.']);
    await this.up();
    this.naos(['create', 'clerk', '--template', 'echo']);
    this.naos(['apply', '-f', '-'], PLAN);
    await this.api('PUT', '/documents/notes/first.md', { text: 'The first.' });
  }

  async up() {
    const words = ['up', '--port', '0', '--json'];
    const stdio = ['ignore', 'pipe', 'inherit'];
    this.daemon = spawn(NAOS, words, { cwd: this.folder, env: this.env, stdio });
    const lines = readline.createInterface({ input: this.daemon.stdout });
    const said = JSON.parse((await lines[Symbol.asyncIterator]().next()).value);
    this.url = said.url.replace(/\/$/, '');
    this.token = readFileSync(path.resolve(this.folder, said.token_path), 'utf8').trim();
  }

  async down() {
    const gone = new Promise((done) => this.daemon.once('exit', done));
    this.daemon.kill('SIGTERM');
    await gone;
  }

  async api(method, place, body) {
    const answer = await fetch(`${this.url}/api/v1${place}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${place}: ${JSON.stringify(said)}`);
    return said;
  }

  // Gives all on as it is, with the owner's token: `Host` and `Origin` are the caller's.
  async door() {
    const to = new URL(this.url);
    const server = http.createServer((request, response) => {
      const headers = { ...request.headers, authorization: `Bearer ${this.token}` };
      const { method, url } = request;
      const given = { host: to.hostname, port: to.port, method, path: url, headers };
      const onward = http.request(given, (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.destroy());
      response.on('close', () => onward.destroy());
      request.pipe(onward);
    });
    await new Promise((done) => server.listen(0, '127.0.0.1', done));
    this.server = server;
    return `http://127.0.0.1:${server.address().port}`;
  }

  async close() {
    this.server?.closeAllConnections();
    this.server?.close();
    await this.down();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
