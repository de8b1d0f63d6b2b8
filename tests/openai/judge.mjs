// The same with the official client in Node.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const client = new OpenAI();
const ask = (model, content, more = {}) =>
  client.chat.completions.create({ model, messages: [{ role: 'user', content }], ...more });

const names = [];
for await (const model of client.models.list()) names.push(model.id);
assert.ok(names.includes('clerk') && names.includes('naos'), names.join());

const done = await ask('clerk', 'The bill of Riake?');
assert.equal(done.choices[0].message.content, 'The bill of Riake?');
assert.ok(done.usage.total_tokens > 0);

const words = 'Each word comes by itself, one after the other.';
let text = '', pieces = 0;
for await (const chunk of await ask('clerk', words, { stream: true })) {
  const piece = chunk.choices[0]?.delta?.content;
  if (piece) { text += piece; pieces++; }
}
assert.equal(text, words);
assert.ok(pieces > 2, `${pieces} pieces`);

const schema = { type: 'object', properties: { total: { type: 'integer' } }, required: ['total'] };
const form = { type: 'json_schema', json_schema: { name: 'sum', schema } };
const formed = await ask('reader', '{"total": 12}', { response_format: form });
assert.deepEqual(JSON.parse(formed.choices[0].message.content), { total: 12 });
await assert.rejects(ask('reader', 'Twelve.', { response_format: form }), OpenAI.UnprocessableEntityError);

const url = `data:image/png;base64,${process.env.PIXEL}`;
const shown = await ask('reader', [{ type: 'text', text: 'This?' }, { type: 'image_url', image_url: { url } }]);
assert.match(shown.choices[0].message.content, /\[image\/png, 70 bytes\]/);

const spent = await ask('poor', 'x').then(() => undefined, (error) => error);
assert.ok(spent instanceof OpenAI.RateLimitError, `${spent}`);
assert.ok(Number(spent.headers.get('retry-after')) > 0);

// Whoever goes away in the middle ends the run.
const long = 'one two three four five six seven eight nine ten '.repeat(20);
const stream = await ask('dozer', long, { stream: true });
for await (const chunk of stream) if (chunk.choices[0]?.delta?.content) break;
stream.controller.abort();
const runs = async () => {
  const headers = { authorization: `Bearer ${client.apiKey}` };
  const answer = await fetch(new URL('/api/v1/runs?agent=dozer', client.baseURL), { headers });
  return (await answer.json()).items;
};
for (const until = Date.now() + 60_000; (await runs())[0].status !== 'cancelled'; ) {
  assert.ok(Date.now() < until, JSON.stringify(await runs()));
  await new Promise((done) => setTimeout(done, 100));
}

const response = await client.responses.create({ model: 'clerk', input: 'The bill of Riake?' });
assert.equal(response.output_text, 'The bill of Riake?');
let told = '', last;
for await (const event of await client.responses.create({ model: 'clerk', input: words, stream: true })) {
  if (event.type === 'response.output_text.delta') told += event.delta;
  last = event.type;
}
assert.equal(told, words);
assert.equal(last, 'response.completed');

await assert.rejects(ask('nobody', 'x'), OpenAI.NotFoundError);
await assert.rejects(ask('unlucky', 'x'), OpenAI.UnprocessableEntityError);
console.log('node: ok');
