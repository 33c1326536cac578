// The official OpenRouter client against /api/v1. It checks every answer against its schemas: a missing field, or null where none is
// expected, is an error.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { OpenRouter } from "@openrouter/sdk";
import * as errors from "@openrouter/sdk/models/errors";

import { startGateway } from "./gateway.mjs";
import { GENERATION_ID, HARBOUR, LANES, PIXEL, RAW, TEXT, TIDE, TRANSLATED, USER, VOYAGE, isHarbourCall, isVoyage, words } from "./samples.mjs";
import { test } from "./strict.mjs";

let gateway;
let router;

// Retries are off: by default this client tries for an hour.
const open = (apiKey, options = {}) => new OpenRouter({ apiKey, retryConfig: { strategy: "none" }, timeoutMs: 60_000, ...options });
const sim = (shape) => ({ headers: { "X-Sim": shape } });
const send = (chatRequest, options) => router.chat.send({ chatRequest: { messages: USER, ...chatRequest } }, options);

before(async () => {
  gateway = await startGateway();
  // The one setting that moves an application here, as its documentation says.
  process.env.OPENROUTER_BASE_URL = gateway.openrouterUrl;
  router = open(gateway.key);
});

after(async () => {
  delete process.env.OPENROUTER_BASE_URL;
  assert.equal(await gateway?.stop(), 0, "serve drains and ends well");
});

async function collect(chatRequest, options) {
  const chunks = [];
  for await (const chunk of await send({ ...chatRequest, stream: true }, options)) chunks.push(chunk);
  const choices = chunks.flatMap((chunk) => chunk.choices);
  const reasons = new Set(choices.map((choice) => choice.finishReason).filter(Boolean));
  return { chunks, text: choices.map((choice) => choice.delta.content ?? "").join(""), deltas: choices.map((c) => c.delta), reasons: [...reasons] };
}

async function allModels(request) {
  const models = [];
  for await (const page of await router.models.list(request)) models.push(...page.result.data);
  return models;
}

test("models are listed with prices as decimal strings, and counted", async () => {
  const models = new Map((await allModels()).map((model) => [model.id, model]));
  for (const id of [RAW, TRANSLATED, "simulator/echo"]) {
    assert.match(models.get(id).pricing.prompt, /^0\.\d+$/);
    assert.ok(models.get(id).contextLength > 0);
  }
  const { data } = await router.models.count();
  assert.equal(data.count, models.size);
});

test("models are paged as the client asks", async () => {
  const every = (await allModels()).map((model) => model.id);
  const paged = (await allModels({ limit: 5 })).map((model) => model.id);
  assert.deepEqual(paged, every);
});

test("endpoints and providers are listed", async () => {
  const providers = new Set((await router.providers.list()).data.map((provider) => provider.name));
  for (const model of [...LANES, "simulator/echo"]) {
    const [author, slug] = model.split("/");
    const { data } = await router.endpoints.list({ author, slug });
    assert.equal(data.id, model);
    assert.ok(data.endpoints.length > 0);
    for (const endpoint of data.endpoints) assert.ok(providers.has(endpoint.providerName), endpoint.providerName);
  }
  await assert.rejects(router.endpoints.list({ author: "acme", slug: "fake-1.0" }), errors.NotFoundResponseError);
});

for (const model of LANES) {
  test(`${model}: a chat is answered with cost and its details`, async () => {
    const answer = await send({ model });
    assert.match(answer.id, GENERATION_ID);
    assert.equal(answer.model, model);
    assert.equal(answer.choices[0].finishReason, "stop");
    assert.ok(answer.choices[0].message.content);
    assert.ok(answer.usage.cost > 0);
    const { upstreamInferencePromptCost, upstreamInferenceCompletionsCost } = answer.usage.costDetails;
    assert.ok(Math.abs(upstreamInferencePromptCost + upstreamInferenceCompletionsCost - answer.usage.cost) < 1e-12);
  });

  test(`${model}: a stream carries the text unchanged and ends with usage and cost`, async () => {
    const { chunks, text, reasons } = await collect({ model }, sim("echo"));
    assert.equal(text, TEXT);
    assert.deepEqual(reasons, ["stop"]);
    assert.equal(chunks.findIndex((chunk) => chunk.usage), chunks.length - 1);
    assert.ok(chunks.at(-1).usage.cost > 0);
  });

  test(`${model}: a demanded tool is called and its result goes back`, async () => {
    for (const toolChoice of ["required", { type: "function", function: { name: "find_harbour" } }]) {
      const first = await send({ model, tools: [HARBOUR], toolChoice });
      const { message } = first.choices[0];
      const [call] = message.toolCalls;
      assert.equal(call.function.name, "find_harbour");
      assert.ok(isHarbourCall(call.function.arguments));
      const messages = [...USER, message, { role: "tool", toolCallId: call.id, content: "Cascais, 9 m" }];
      const second = await send({ model, messages, tools: [HARBOUR] });
      assert.ok(second.choices[0].message.content);
    }
  });

  test(`${model}: parallel calls are streamed by index`, async () => {
    const { deltas } = await collect({ model, tools: [HARBOUR, TIDE] }, sim("tool2"));
    const calls = [];
    for (const part of deltas.flatMap((delta) => delta.toolCalls ?? [])) {
      calls[part.index] ??= { id: "", name: "", arguments: "" };
      calls[part.index].id += part.id ?? "";
      calls[part.index].name += part.function?.name ?? "";
      calls[part.index].arguments += part.function?.arguments ?? "";
    }
    assert.deepEqual(calls.map((call) => call.name), ["find_harbour", "read_tide"]);
    assert.notEqual(calls[0].id, calls[1].id);
    assert.ok(isHarbourCall(calls[0].arguments));
    assert.deepEqual(Object.keys(JSON.parse(calls[1].arguments)), ["date"]);
  });

  test(`${model}: an image goes in beside text`, async () => {
    const content = [
      { type: "text", text: "What is on this chart?" },
      { type: "image_url", imageUrl: { url: PIXEL } },
    ];
    const answer = await send({ model, messages: [{ role: "user", content }] }, sim("echo"));
    assert.equal(answer.choices[0].message.content, "What is on this chart?");
  });

  test(`${model}: structured output fits the schema`, async () => {
    const responseFormat = { type: "json_schema", jsonSchema: { name: "voyage", strict: true, schema: VOYAGE } };
    const answer = await send({ model, responseFormat });
    assert.ok(isVoyage(JSON.parse(answer.choices[0].message.content)));
  });

  test(`${model}: a generation is found as soon as its stream has ended`, async () => {
    const { chunks } = await collect({ model }, sim("c30"));
    const { data } = await router.generations.getGeneration({ id: chunks.at(-1).id });
    assert.equal(data.model, model);
    assert.equal(data.streamed, true);
    assert.equal(data.tokensCompletion, 30);
    assert.ok(Math.abs(data.totalCost - chunks.at(-1).usage.cost) < 1e-12);
  });

  test(`${model}: a fault of the provider in mid-stream is told in the last chunk`, async () => {
    const { chunks, text } = await collect({ model }, sim("c20-errevent5"));
    assert.equal(words(text), 5);
    // The simulator's error event is an `overloaded_error` in Anthropic's dialect.
    assert.equal(chunks.at(-1).error?.code, model === TRANSLATED ? 503 : 502);
    assert.equal(chunks.at(-1).choices[0].finishReason, "error");
  });
}

test("reasoning is told in text and in signed details, and goes back with the results of tools", async () => {
  const ask = { model: TRANSLATED, maxTokens: 4096, reasoning: { effort: "high" }, tools: [HARBOUR] };
  const first = await send(ask, sim("tool"));
  const { message } = first.choices[0];
  assert.ok(message.reasoning);
  assert.ok(message.reasoningDetails.some((detail) => detail.signature));
  assert.ok(first.usage.completionTokensDetails.reasoningTokens > 0);
  const messages = [...USER, message, { role: "tool", toolCallId: message.toolCalls[0].id, content: "Cascais, 9 m" }];
  const second = await send({ ...ask, messages }, sim("tool"));
  assert.ok(second.choices[0].message.content);
});

test("the key shows what was spent", async () => {
  const before = (await router.apiKeys.getCurrentKeyMetadata()).data;
  assert.equal(before.limit, null);
  assert.equal(before.isManagementKey, false);
  const { usage } = await send({ model: RAW });
  const after = (await router.apiKeys.getCurrentKeyMetadata()).data;
  assert.ok(Math.abs(after.usage - before.usage - usage.cost) < 1e-12);
});

test("a wrong key is refused everywhere", async () => {
  const wrong = open(`sk-or-v1-${"0".repeat(64)}`);
  await assert.rejects(wrong.chat.send({ chatRequest: { model: RAW, messages: USER } }), errors.UnauthorizedResponseError);
  await assert.rejects(wrong.apiKeys.getCurrentKeyMetadata(), errors.UnauthorizedResponseError);
  await assert.rejects(wrong.generations.getGeneration({ id: "gen-1700000000-abcdefghij0123456789" }), errors.UnauthorizedResponseError);
});

test("a generation that never was is not found", async () => {
  await assert.rejects(router.generations.getGeneration({ id: "gen-1700000000-abcdefghij0123456789" }), errors.NotFoundResponseError);
});

test("what is wrong with a request is a 400 that names it", async () => {
  for (const [name, request] of [
    ["temperature", { model: RAW, temperature: 9 }],
    ["plugins", { model: RAW, plugins: [{ id: "web" }] }],
    ["acme/fake-1.0", { model: "acme/fake-1.0" }],
  ]) {
    await assert.rejects(send(request), (error) => {
      assert.ok(error instanceof errors.BadRequestResponseError || error instanceof errors.NotFoundResponseError, String(error));
      assert.ok(error.error.message.includes(name), error.error.message);
      return true;
    });
  }
});

test("a fault of the provider has a class of its own", async () => {
  const cases = [
    ["e429-ra7", errors.TooManyRequestsResponseError, 429],
    ["e500", errors.BadGatewayResponseError, 502],
    ["e503", errors.ServiceUnavailableResponseError, 503],
  ];
  for (const [shape, kind, code] of cases) {
    for (const stream of [false, true]) {
      await assert.rejects(send({ model: `simulator/sim-${shape}`, stream }), (error) => {
        assert.ok(error instanceof kind, `${shape}: ${error}`);
        assert.equal(error.error.code, code);
        assert.match(error.headers.get("x-generation-id"), GENERATION_ID);
        return true;
      });
    }
  }
});
