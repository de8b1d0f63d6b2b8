// A durable workflow of three steps on DBOS for TypeScript. usage: dbos.mjs DATABASE_URL COUNT AT_ONCE
import { DBOS } from "@dbos-inc/dbos-sdk";

const url = process.argv[2];
const [count, atOnce] = process.argv.slice(3).map(Number);
DBOS.setConfig({
  name: "bench", systemDatabaseUrl: url, runAdminServer: false, logLevel: "error", systemDatabasePoolSize: 20,
});
const threeSteps = DBOS.registerWorkflow(async (number) => {
  for (const name of ["one", "two", "three"]) {
    const before = number;
    number = await DBOS.runStep(async () => before + 1, { name });
  }
  return number;
}, { name: "threeSteps" });

async function drive(wanted) {
  const took = [];
  let next = 0;
  const began = performance.now();
  const lane = async () => {
    while (next < wanted) {
      const number = next++;
      const start = performance.now();
      if (await threeSteps(number) !== number + 3) throw new Error("another answer");
      took.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return { seconds: (performance.now() - began) / 1e3, took: took.sort((a, b) => a - b) };
}

await DBOS.launch();
const warm = Math.max(atOnce, 50);
await drive(warm);
const { seconds, took } = await drive(count);
console.log(JSON.stringify({ rate: count / seconds, p50_ms: took[took.length >> 1],
  all: warm + count }));
await DBOS.shutdown();
process.exit(0);
