// naos's own way of speaking the protocol about another catalog: the tools, prompts and things to
// read that the suite asks for, as data. The suite looks at shapes; the contents are compared here.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const FILE = path.join(import.meta.dirname, 'fixtures.json');

export class Fixtures {
  async open() {
    const stdio = ['ignore', 'pipe', 'inherit'];
    this.child = spawn(process.env.FIXTURES, [FILE], { stdio });
    const lines = readline.createInterface({ input: this.child.stdout });
    this.url = (await lines[Symbol.asyncIterator]().next()).value;
  }

  close() {
    this.child?.kill('SIGKILL');
  }

  // Every fixture comes as it stands in the file.
  async compare() {
    const { tools, resources, prompts } = JSON.parse(readFileSync(FILE, 'utf8'));
    const client = new Client({ name: 'judge', version: '1' });
    await client.connect(new StreamableHTTPClientTransport(new URL(this.url)));
    const offered = (await client.listTools()).tools;
    assert.deepEqual(offered, tools.map(({ tool }) => tool));
    for (const { tool, result, progress = [] } of tools) {
      const heard = [];
      const onprogress = ({ progress, total }) => heard.push([progress, total]);
      const said = await client.callTool({ name: tool.name, arguments: {} }, undefined, { onprogress });
      assert.deepEqual(said.content, result.content, tool.name);
      assert.equal(said.isError === true, result.isError === true, tool.name);
      assert.deepEqual(heard, progress, tool.name);
    }
    for (const { resource, contents } of resources) {
      const read = await client.readResource({ uri: resource.uri });
      assert.deepEqual(read.contents, [contents]);
    }
    const { contents } = await client.readResource({ uri: 'test://template/a%20b/data' });
    assert.equal(JSON.parse(contents[0].text).data, 'Data for ID: a%20b');
    for (const { prompt, result } of prompts) {
      const given = Object.fromEntries((prompt.arguments ?? []).map(({ name }) => [name, `<${name}>`]));
      const said = await client.getPrompt({ name: prompt.name, arguments: given });
      const wanted = JSON.stringify(result.messages).replace(/\{(\w+)\}/g, '<$1>');
      assert.deepEqual(said.messages, JSON.parse(wanted), prompt.name);
    }
    const ref = { type: 'ref/prompt', name: 'test_prompt_with_arguments' };
    const { completion } = await client.complete({ ref, argument: { name: 'arg1', value: 'par' } });
    assert.deepEqual(completion.values, ['paris', 'park', 'party']);
    await client.close();
  }
}
