// A running demo and a browser beside it: what the tests stand on.
import { spawn, spawnSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const { NAOS, CHROMIUM } = process.env;
/** How long anything may take before a test gives up, in ms. */
export const DEADLINE_MS = 60_000;

/** The demo in a directory of its own, its page served on a free port. */
export class Office {
  constructor() {
    this.place = mkdtempSync(join(tmpdir(), 'naos-browser-'));
    this.home = join(this.place, 'naos-demo');
    this.said = '';
  }

  /** Starts it and waits for its page. */
  async start() {
    this.child = spawn(NAOS, ['demo', '--port', '0'], { cwd: this.place });
    const ended = new Promise(done => this.child.on('exit', done));
    const address = new Promise(found => {
      const heard = chunk => {
        this.said += chunk;
        const at = /live page: (http:\/\/[\d.]+:\d+)\//.exec(this.said);
        if (at) found(at[1]);
      };
      this.child.stdout.on('data', heard);
      this.child.stderr.on('data', heard);
    });
    const late = ended.then(() => { throw new Error(`the demo ended: ${this.said}`); });
    this.url = await Promise.race([address, late]);
    late.catch(() => {}); // it may end once the tests are over
    this.ended = ended;
  }

  get token() {
    return readFileSync(join(this.home, 'data', 'owner.token'), 'utf8').trim();
  }

  /** One command, as a user types it in the demo's folder; its answer as JSON. */
  naos(...words) {
    const done = spawnSync(NAOS, [...words, '--json'], { cwd: this.home, encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`naos ${words.join(' ')}: ${done.stderr}`);
    return JSON.parse(done.stdout);
  }

  /** How many lines of the journal tell of this action. */
  count(action) {
    const { items } = this.naos('audit', '--last', '100000');
    return items.filter(row => row.action === action).length;
  }

  async stop() {
    this.child.kill('SIGTERM');
    await this.ended;
    rmSync(this.place, { recursive: true, force: true });
  }
}

/** A line between browser and office that can break. */
export class Line {
  constructor(office) {
    this.sockets = new Set();
    this.whole = true;
    this.server = createServer(near => {
      if (!this.whole) return near.destroy();
      const far = connect(Number(new URL(office.url).port), '127.0.0.1');
      for (const [one, other] of [[near, far], [far, near]]) {
        this.sockets.add(one);
        one.pipe(other);
        one.on('error', () => {});
        one.on('close', () => { this.sockets.delete(one); other.destroy(); });
      }
    });
  }

  async start() {
    await new Promise(done => this.server.listen(0, '127.0.0.1', done));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
  }

  break() {
    this.whole = false;
    for (const socket of this.sockets) socket.destroy();
  }

  mend() {
    this.whole = true;
  }

  stop() {
    this.break();
    this.server.close();
  }
}

/** Chromium without any talk of its own. */
export const browse = () => chromium.launch({
  executablePath: CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

/** A signed-in tab; `complaints` gathers what the browser finds wrong with the pages. */
export async function enter(browser, office, options = {}) {
  const context = await browser.newContext({ baseURL: office.url, locale: 'en', ...options });
  context.setDefaultTimeout(DEADLINE_MS);
  const page = await context.newPage();
  const complaints = [];
  page.on('console', line => {
    if (line.type() === 'error') complaints.push(line.text());
  });
  page.on('pageerror', error => complaints.push(String(error)));
  await page.goto('/');
  await page.fill('#token', office.token);
  await page.click('form.stack button.main');
  await page.waitForURL(url => new URL(url).pathname === '/');
  return { context, page, complaints };
}

/** The places of the navigation. */
export const PLACES = ['/', '/board', '/agents', '/runs', '/approvals', '/audit', '/costs',
  '/documents'];
