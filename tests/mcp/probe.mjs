// What the suite's scenarios want of a client, as `naos tools probe` does it. The suite starts this
// with the address of its server as the last word.
import { spawnSync } from 'node:child_process';

const url = process.argv.at(-1);
const {
  NAOS,
  MCP_CONFORMANCE_SCENARIO: scenario,
  MCP_CONFORMANCE_CONTEXT: context = '{}',
  MCP_CONFORMANCE_PROTOCOL_VERSION: version,
} = process.env;

function probe(...words) {
  const protocol = version ? ['--protocol', version] : [];
  const all = ['tools', 'probe', ...protocol, ...words, url];
  const { status, stdout, stderr } = spawnSync(NAOS, all, { encoding: 'utf8' });
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  return { status, stdout };
}

const call = (tool, given = {}) => ['--call', `${tool}=${JSON.stringify(given)}`];
// Each of these is called beside those that are valid: one that isn't offered is not.
const invalid = (named) => named.flatMap((tool) => call(tool, { value: 'x' }));

const wanted = {
  tools_call: () => call('add_numbers', { a: 5, b: 3 }),
  'sse-retry': () => call('test_reconnection'),
  'elicitation-sep1034-client-defaults': () => call('test_client_elicitation_defaults'),
  'http-standard-headers': () => [...call('test_headers'), ...call('my-hyphenated-tool')],
  'http-custom-headers': () =>
    JSON.parse(context).toolCalls.flatMap(({ name, arguments: given }) => call(name, given)),
  'http-invalid-tool-headers': () => [
    ...call('valid_tool', { region: 'us-west1' }),
    ...invalid(['invalid_empty_header', 'invalid_object_header', 'invalid_array_header',
      'invalid_null_header', 'invalid_number_header', 'invalid_duplicate_same_case',
      'invalid_duplicate_diff_case', 'invalid_space_in_name']),
  ],
  'sep-2322-client-request-state': () =>
    ['test_mrtr_echo_state', 'test_mrtr_no_state', 'test_mrtr_unrelated', 'test_mrtr_no_result_type']
      .flatMap((tool) => call(tool)),
  // What it is told of one tool it gives to the other.
  'json-schema-2020-12-preservation': () => {
    const { items } = JSON.parse(probe('--json').stdout);
    const schema = JSON.parse(items.find(({ tool }) => tool === 'json_schema_2020_12_tool').schema);
    return call('json_schema_echo', { schema });
  },
};

const { status } = probe(...(wanted[scenario]?.() ?? []));
// Tools that aren't offered are called in vain, on purpose.
process.exitCode = scenario === 'http-invalid-tool-headers' ? 0 : status;
