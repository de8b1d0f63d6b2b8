// A project with a daemon of naos that is killed and started again.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const COMMAND_MS = 180_000;

export class Office {
  constructor(folder, ports) {
    this.folder = folder;
    this.env = { ...process.env, NAOS_ALLOW_LOOPBACK_PORTS: ports.join() };
  }

  /** A command; what it said. The model behind the gateways answers meanwhile. */
  async naos(words, { input = '', exit = 0 } = {}) {
    const child = spawn(process.env.NAOS, words, { cwd: this.folder, env: this.env });
    const late = setTimeout(() => child.kill(), COMMAND_MS);
    child.stdin.end(input);
    const read = async (stream) => {
      let text = '';
      for await (const piece of stream.setEncoding('utf8')) text += piece;
      return text;
    };
    const ended = new Promise((done) => child.once('close', done));
    const [stdout, stderr, status] = await Promise.all([
      read(child.stdout), read(child.stderr), ended,
    ]);
    clearTimeout(late);
    assert.equal(status, exit, `naos ${words.join(' ')}: ${stderr}${stdout}`);
    return { stdout, stderr, json: () => JSON.parse(stdout) };
  }

  async up() {
    this.daemon = spawn(process.env.NAOS, ['up', '--port', '0', '--json'], {
      cwd: this.folder, env: this.env, stdio: ['ignore', 'pipe', 'ignore'],
    });
    for await (const line of createInterface({ input: this.daemon.stdout })) {
      JSON.parse(line);
      return;
    }
    throw new Error('naos did not come up');
  }

  async kill() {
    if (!this.daemon || this.daemon.exitCode !== null || this.daemon.signalCode) return;
    const ended = new Promise((done) => this.daemon.once('exit', done));
    this.daemon.kill('SIGKILL');
    await ended;
  }
}
