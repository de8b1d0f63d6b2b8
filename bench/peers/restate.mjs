// A Restate service with three durable steps. usage: restate.mjs PORT
import * as restate from "@restatedev/restate-sdk";

const bench = restate.service({
  name: "Bench",
  handlers: {
    run: async (context, number) => {
      const one = await context.run("one", () => number + 1);
      const two = await context.run("two", () => one + 1);
      return await context.run("three", () => two + 1);
    },
  },
});
restate.serve({ services: [bench], port: Number(process.argv[2]) });
