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

await assert.rejects(ask('nobody', 'x'), OpenAI.NotFoundError);
await assert.rejects(ask('unlucky', 'x'), OpenAI.UnprocessableEntityError);
console.log('node: ok');
