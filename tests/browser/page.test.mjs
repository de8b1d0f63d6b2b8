import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { browse, enter, DEADLINE_MS, Line, Office, PLACES } from './office.mjs';

const FIRST_LOAD_BYTES_MAX = 14 * 1024;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const office = new Office();
let browser;
before(async () => {
  await office.start();
  const note = join(office.place, 'note.md');
  for (const text of ['Two plans.\n', 'Three plans.\n']) {
    writeFileSync(note, text);
    office.naos('document', 'put', note, 'notes/plans.md');
  }
  browser = await browse();
});
after(async () => {
  await browser?.close();
  await office.stop();
});

// Every page of the demo, those about one thing too.
async function everyPage(page) {
  const found = [...PLACES];
  for (const [list, link] of [['/agents', 'a[href^="/agents/"]'], ['/runs', 'a[href^="/runs/"]'],
    ['/runs', 'a[href^="/plans/"]'], ['/approvals', 'a[href^="/approvals/"]'],
    ['/documents', 'a[href^="/documents/"]'], ['/documents', 'a[href^="/document-versions/"]'],
    ['/document-versions/notes/plans.md', 'a[href^="/document-diff/"]']]) {
    await page.goto(list);
    found.push(await page.locator(`main ${link}`).first().getAttribute('href'));
  }
  return found;
}

test('a wrong token stays outside, and is told so', async () => {
  const context = await browser.newContext({ baseURL: office.url });
  const page = await context.newPage();
  const answer = await page.goto('/runs');
  assert.equal(new URL(page.url()).pathname, '/sign-in');
  assert.equal(answer.status(), 200);
  await page.fill('#token', 'not-the-token');
  await page.click('form.stack button.main');
  await page.waitForSelector('[role=alert]');
  assert.equal((await context.cookies()).filter(c => c.httpOnly).length, 0);
  await context.close();
});

test('what happens appears by itself, until the report waits', async () => {
  const { context, page, complaints } = await enter(browser, office);
  await page.waitForSelector('#live.is-on');
  await page.waitForSelector('#waiting .rows li');
  assert.ok(await page.locator('#feed > li').count() > 0);
  const ids = await page.locator('#feed > li').evaluateAll(rows => rows.map(row => row.id));
  assert.equal(new Set(ids).size, ids.length, 'a fact stands there twice');
  assert.deepEqual(complaints, []);
  await context.close();
});

test('a lost line is taken up where it broke', async () => {
  const line = new Line(office);
  await line.start();
  const { context, page } = await enter(browser, office, { baseURL: line.url });
  await page.waitForSelector('#live.is-on');
  line.break();
  await page.waitForSelector('#live.is-off');
  // The daemon is reached by the command, not by the browser.
  const { run } = office.naos('run', 'researcher', '--input', 'We decided to meet on Friday.');
  assert.equal(await page.locator(`#feed a[href="/runs/${run}"]`).count(), 0);
  line.mend();
  await page.waitForSelector(`#feed a[href="/runs/${run}"]`);
  const ids = await page.locator('#feed > li').evaluateAll(rows => rows.map(row => row.id));
  assert.equal(new Set(ids).size, ids.length, 'a fact stands there twice');
  await context.close();
  line.stop();
});

test('every page is complete without JavaScript', async () => {
  const { context, page } = await enter(browser, office, { javaScriptEnabled: false });
  for (const path of await everyPage(page)) {
    const answer = await page.goto(path);
    assert.equal(answer.status(), 200, path);
    assert.equal(await page.locator('h1').count(), 1, `${path} has one heading`);
    assert.ok((await page.locator('main').innerText()).trim().length > 20, `${path} is empty`);
  }
  await page.goto('/');
  assert.ok(await page.locator('#waiting .rows li').count() === 1);
  await page.click('button[lang=fr]');
  assert.equal(await page.locator('html').getAttribute('lang'), 'fr');
  await context.close();
});

test('a small phone shows every page at ease', async () => {
  const { context, page, complaints } = await enter(browser, office, {
    viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true,
  });
  for (const path of await everyPage(page)) {
    await page.goto(path);
    const [wide, room] = await page.evaluate(() =>
      [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(wide <= room, `${path} is ${wide} px wide on ${room} px`);
    // WCAG 2.2, 2.5.8: targets of at least 24 by 24 px, those within a sentence excepted.
    const small = await page.locator('button:visible, nav a:visible, summary:visible').evaluateAll(
      all => all.map(one => [one.textContent.trim(), one.getBoundingClientRect()])
        .filter(([, box]) => box.height > 0 && (box.height < 24 || box.width < 24))
        .map(([text]) => text));
    assert.deepEqual(small, [], `${path}: targets that a thumb misses`);
  }
  assert.deepEqual(complaints, []);
  await context.close();
});

test('axe finds nothing', async () => {
  const { context, page } = await enter(browser, office, { bypassCSP: true });
  const found = [];
  for (const path of await everyPage(page)) {
    await page.goto(path);
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => axe.run(document));
    for (const { id, nodes } of violations) {
      found.push(`${path}: ${id}: ${nodes.map(node => node.html).slice(0, 2).join(' ')}`);
    }
  }
  assert.deepEqual(found, []);
  await context.close();
});

test('the first load fits the first round trip of a slow line', async () => {
  const { context, page } = await enter(browser, office);
  const wire = await context.newCDPSession(page);
  await wire.send('Network.enable');
  await wire.send('Network.setCacheDisabled', { cacheDisabled: true });
  // 2G: 800 ms, 50 kbit/s.
  await wire.send('Network.emulateNetworkConditions', {
    offline: false, latency: 800, downloadThroughput: 50_000 / 8, uploadThroughput: 50_000 / 8,
  });
  let bytes = 0;
  wire.on('Network.loadingFinished', done => { bytes += done.encodedDataLength; });
  await page.goto('/', { waitUntil: 'load', timeout: DEADLINE_MS });
  await page.waitForSelector('#live.is-on');
  assert.ok(bytes > 5_000 && bytes <= FIRST_LOAD_BYTES_MAX, `${bytes} bytes`);
  await context.close();
});

test('a double tap on approve acts once, and the report lands', async () => {
  const { context, page, complaints } = await enter(browser, office, {
    viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true,
  });
  await page.click('#waiting .rows a.go');
  await page.waitForSelector('article.paper');
  await page.fill('#comment', 'Good work.');
  await page.locator('button[value=approve]').dblclick();
  await page.waitForSelector('#answer section.sheet');
  assert.equal(office.count('approval.approved'), 1);
  const reports = join(office.home, 'reports');
  const until = performance.now() + DEADLINE_MS;
  while (!existsSync(reports) || readdirSync(reports).length < 2) {
    assert.ok(performance.now() < until, 'no report landed');
    await page.reload();
  }
  assert.deepEqual(readdirSync(reports).map(name => name.split('.').pop()).sort(), ['html', 'md']);
  assert.deepEqual(complaints, []);
  await context.close();
});

test('signing out closes the door for that session', async () => {
  const { context, page } = await enter(browser, office);
  const [cookie] = (await context.cookies()).filter(c => c.httpOnly);
  assert.equal(cookie.sameSite, 'Strict');
  await page.click('form[action="/sign-out"] button');
  await page.waitForURL(/sign-in/);
  await context.addCookies([cookie]);
  await page.goto('/runs');
  assert.equal(new URL(page.url()).pathname, '/sign-in', 'an old cookie opens nothing');
  await context.close();
});
