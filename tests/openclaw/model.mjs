// A model without a model, behind the gateways: it speaks chat completions, counts how often it is
// asked with which key, and holds its answers back as long as a test wants it to.
import { createServer } from 'node:http';

export const USED = { prompt_tokens: 100, completion_tokens: 7, total_tokens: 107 };

export class Model {
  asked = []; // { key, text }, text being all that it was shown
  #held = undefined;
  #release = () => {};

  async open() {
    this.server = createServer((request, response) => void this.#answer(request, response));
    await new Promise((done) => this.server.listen(0, '127.0.0.1', done));
    this.port = this.server.address().port;
  }

  hold() {
    this.#held = new Promise((done) => (this.#release = done));
  }

  release() {
    this.#release();
    this.#held = undefined;
  }

  of(key) {
    return this.asked.filter((one) => one.key === key);
  }

  close() {
    this.release();
    this.server?.closeAllConnections();
    this.server?.close();
  }

  async #answer(request, response) {
    let body = '';
    for await (const piece of request) body += piece;
    const key = (request.headers.authorization ?? '').replace('Bearer ', '');
    this.asked.push({ key, text: body });
    const said = `${key} says ${this.of(key).length}`;
    await this.#held;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const id = `chatcmpl-${this.asked.length}`;
    const send = (more) => {
      const chunk = { id, object: 'chat.completion.chunk', created: 1, model: 'echo', ...more };
      response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    };
    const piece = (delta, finish_reason = null) =>
      send({ choices: [{ index: 0, delta, finish_reason }] });
    piece({ role: 'assistant', content: '' });
    for (const word of said.split(/(?<= )/)) piece({ content: word });
    piece({}, 'stop');
    send({ choices: [], usage: USED });
    response.end('data: [DONE]\n\n');
  }
}
