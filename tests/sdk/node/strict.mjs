// Tests whose clients check every answer against their schemas.

import { test as run } from "node:test";

// An answer that does not fit is told by its wrong fields: the client's own error prints the whole answer twice.
export const test = (name, body) =>
  run(name, async () => {
    try {
      await body();
    } catch (error) {
      if (error.name !== "ResponseValidationError") throw error;
      const wrong = new Set(error.cause.issues.map((issue) => `${issue.path.map((p) => (Number.isInteger(p) ? "[]" : p)).join(".")}: ${issue.message}`));
      throw new Error(`the answer does not fit the client's schema:\n  ${[...wrong].slice(0, 20).join("\n  ")}`);
    }
  });
