// The real gateway, in a folder of its own; and somebody who asks it what it did, by the protocol
// alone and with a device of their own.
import { spawn } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

const PROGRAM = new URL('node_modules/openclaw/openclaw.mjs', import.meta.url).pathname;
const UP_MS = 180_000;

export async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** Waits for a condition, and says what for if it never comes. */
export async function until(what, fits, ms = 120_000) {
  const end = Date.now() + ms;
  for (;;) {
    const found = await fits();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

export class Gateway {
  constructor(folder, name, model) {
    Object.assign(this, { name, token: `token-of-${name}`, key: `model-key-of-${name}` });
    this.folder = join(folder, name);
    mkdirSync(join(this.folder, 'home'), { recursive: true });
    this.log = join(this.folder, 'gateway.log');
    const provider = {
      baseUrl: `http://127.0.0.1:${model.port}/v1`,
      apiKey: this.key,
      api: 'openai-completions',
      models: [{ id: 'echo', name: 'echo', contextWindow: 128_000, maxTokens: 4_096 }],
    };
    const config = {
      gateway: { mode: 'local' },
      models: {
        mode: 'replace',
        providers: { local: provider },
        catalogRefresh: { enabled: false },
      },
      agents: { defaults: { model: { primary: 'local/echo' }, skipBootstrap: true } },
      logging: { file: join(this.folder, 'own.log') },
      // It speaks to nobody but us.
      update: { checkOnStart: false },
      telemetry: { enabled: false },
    };
    writeFileSync(join(this.folder, 'openclaw.json'), JSON.stringify(config));
  }

  async open() {
    this.port ??= await freePort();
    const log = openSync(this.log, 'a');
    const words = ['gateway', 'run', '--port', `${this.port}`, '--bind', 'loopback'];
    this.process = spawn(process.execPath, [PROGRAM, ...words, '--token', this.token], {
      env: {
        PATH: process.env.PATH,
        HOME: join(this.folder, 'home'),
        OPENCLAW_DISABLE_BONJOUR: '1',
        OPENCLAW_SKIP_CHANNELS: '1',
        OPENCLAW_STATE_DIR: this.folder,
        OPENCLAW_CONFIG_PATH: join(this.folder, 'openclaw.json'),
      },
      stdio: ['ignore', log, log],
    });
    const ready = async () => {
      if (this.process.exitCode !== null) {
        throw new Error(`the gateway ended:\n${readFileSync(this.log, 'utf8').slice(-2_000)}`);
      }
      const answer = await fetch(`http://127.0.0.1:${this.port}/health`).catch(() => undefined);
      return answer?.ok && (await this.ask('health', {}).then(() => true, () => false));
    };
    await until(`the gateway ${this.name}`, ready, UP_MS);
  }

  async kill() {
    if (!this.process || this.process.exitCode !== null || this.process.signalCode) return;
    const ended = new Promise((done) => this.process.once('exit', done));
    this.process.kill('SIGKILL');
    await ended;
  }

  /** The sessions that naos made here, each with its messages. */
  async sessions() {
    const { sessions } = await this.ask('sessions.list', { limit: 200 });
    const own = sessions.filter(({ key }) => key.includes(':naos-'));
    return Promise.all(
      own.map(async ({ key }) => {
        const { messages } = await this.ask('chat.history', { sessionKey: key, limit: 100 });
        return { key, messages };
      }),
    );
  }

  /** One request over a connection of its own. */
  ask(method, params) {
    return new Promise((done, failed) => {
      const socket = new WebSocket(`ws://127.0.0.1:${this.port}`);
      const late = setTimeout(() => failed(new Error(`${method}: no answer`)), 30_000);
      const end = (how, what) => {
        clearTimeout(late);
        socket.close();
        how(what);
      };
      const send = (id, method, params) =>
        socket.send(JSON.stringify({ type: 'req', id, method, params }));
      socket.onerror = () => end(failed, new Error(`${method}: the connection broke`));
      socket.onclose = ({ reason }) => end(failed, new Error(`${method}: closed, ${reason}`));
      socket.onmessage = ({ data }) => {
        const frame = JSON.parse(data);
        if (frame.event === 'connect.challenge') {
          send('1', 'connect', this.#connect(frame.payload));
        } else if (frame.type === 'res' && !frame.ok) {
          end(failed, new Error(`${method}: ${JSON.stringify(frame.error)}`));
        } else if (frame.type === 'res' && frame.id === '1') {
          send('2', method, params);
        } else if (frame.type === 'res') {
          end(done, frame.payload);
        }
      };
    });
  }

  #connect({ nonce, ts }) {
    this.pair ??= generateKeyPairSync('ed25519');
    const raw = this.pair.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
    const id = createHash('sha256').update(raw).digest('hex');
    const client = { id: 'cli', version: '1.0.0', platform: 'linux', mode: 'cli' };
    const scopes = ['operator.read'];
    const fields = [
      'v3', id, client.id, client.mode, 'operator', scopes.join(), ts, this.token, nonce,
      client.platform, '',
    ];
    const signature = sign(null, Buffer.from(fields.join('|')), this.pair.privateKey);
    return {
      minProtocol: 4, maxProtocol: 4, client, role: 'operator', scopes, caps: [],
      auth: { token: this.token },
      device: {
        id, publicKey: raw.toString('base64url'), signature: signature.toString('base64url'),
        signedAt: ts, nonce,
      },
    };
  }
}
