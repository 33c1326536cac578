// The official OpenAI client against /v1.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import OpenAI from "openai";

import { startGateway } from "./gateway.mjs";
import { GENERATION_ID, HARBOUR, LANES, PIXEL, RAW, TEXT, TIDE, TRANSLATED, USER, VOYAGE, isHarbourCall, isVoyage, words } from "./samples.mjs";

let gateway;
let client;

// Retries are off: a fault that a test asks for must be seen, not waited out.
const open = (apiKey) => new OpenAI({ apiKey, baseURL: gateway.openaiUrl, maxRetries: 0, timeout: 60_000 });
const sim = (shape) => ({ headers: { "X-Sim": shape } });

before(async () => {
  gateway = await startGateway();
  client = open(gateway.key);
});

after(async () => {
  assert.equal(await gateway?.stop(), 0, "serve drains and ends well");
});

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  const choices = chunks.flatMap((chunk) => chunk.choices);
  const text = choices.map((choice) => choice.delta.content ?? "").join("");
  const reasons = new Set(choices.map((choice) => choice.finish_reason).filter(Boolean));
  return { chunks, text, deltas: choices.map((choice) => choice.delta), reasons: [...reasons] };
}

test("models are listed in OpenAI's shape", async () => {
  const models = new Map();
  for await (const model of client.models.list()) models.set(model.id, model);
  for (const id of [RAW, TRANSLATED, "simulator/echo"]) {
    assert.equal(models.get(id)?.object, "model", id);
    assert.ok(models.get(id).owned_by, id);
  }
});

for (const model of LANES) {
  test(`${model}: a chat is answered with usage and cost`, async () => {
    const { data, response } = await client.chat.completions.create({ model, messages: USER }).withResponse();
    assert.match(data.id, GENERATION_ID);
    assert.equal(response.headers.get("x-generation-id"), data.id);
    assert.equal(response.headers.get("x-portolan-simulated"), "true");
    assert.equal(data.model, model);
    assert.equal(data.choices[0].finish_reason, "stop");
    assert.ok(data.choices[0].message.content);
    assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + data.usage.completion_tokens);
    assert.ok(data.usage.cost > 0);
  });

  test(`${model}: a stream carries the text unchanged, one finish reason, and usage in its last chunk`, async () => {
    const { data, response } = await client.chat.completions.create({ model, messages: USER, stream: true }, sim("echo")).withResponse();
    const { chunks, text, reasons } = await collect(data);
    assert.equal(text, TEXT);
    assert.deepEqual([...new Set(chunks.map((chunk) => chunk.id))], [response.headers.get("x-generation-id")]);
    assert.deepEqual(reasons, ["stop"]);
    assert.equal(chunks.findIndex((chunk) => chunk.usage), chunks.length - 1);
    assert.ok(chunks.at(-1).usage.cost > 0);
  });

  test(`${model}: every token of a long stream arrives and is counted`, async () => {
    const { chunks, text } = await collect(await client.chat.completions.create({ model, messages: USER, stream: true }, sim("c200")));
    assert.equal(words(text), 200);
    assert.equal(chunks.at(-1).usage.completion_tokens, 200);
  });

  test(`${model}: a demanded tool is called, whether any or one by name`, async () => {
    for (const tool_choice of ["required", { type: "function", function: { name: "find_harbour" } }]) {
      const answer = await client.chat.completions.create({ model, messages: USER, tools: [HARBOUR], tool_choice });
      const [call, ...others] = answer.choices[0].message.tool_calls;
      assert.equal(others.length, 0);
      assert.equal(call.function.name, "find_harbour");
      assert.ok(isHarbourCall(call.function.arguments), call.function.arguments);
    }
  });

  test(`${model}: the client's own helper joins streamed parallel calls, and their results go back`, async () => {
    const ask = { model, tools: [HARBOUR, TIDE] };
    const first = await client.chat.completions.stream({ ...ask, messages: USER }, sim("tool2")).finalChatCompletion();
    const { message, finish_reason } = first.choices[0];
    assert.equal(finish_reason, "tool_calls");
    assert.deepEqual(message.tool_calls.map((call) => call.function.name), ["find_harbour", "read_tide"]);
    assert.notEqual(message.tool_calls[0].id, message.tool_calls[1].id);
    assert.ok(isHarbourCall(message.tool_calls[0].function.arguments));
    const results = message.tool_calls.map((call) => ({ role: "tool", tool_call_id: call.id, content: "calm" }));
    const assistant = { role: "assistant", content: message.content, tool_calls: message.tool_calls };
    const second = await client.chat.completions.create({ ...ask, messages: [...USER, assistant, ...results] }, sim("tool2"));
    assert.equal(second.choices[0].finish_reason, "stop");
    assert.ok(second.choices[0].message.content);
  });

  test(`${model}: an image goes in beside text`, async () => {
    const content = [
      { type: "text", text: "What is on this chart?" },
      { type: "image_url", image_url: { url: PIXEL } },
    ];
    const answer = await client.chat.completions.create({ model, messages: [{ role: "user", content }] }, sim("echo"));
    assert.equal(answer.choices[0].message.content, "What is on this chart?");
  });

  test(`${model}: structured output fits the schema`, async () => {
    const response_format = { type: "json_schema", json_schema: { name: "voyage", strict: true, schema: VOYAGE } };
    const answer = await client.chat.completions.parse({ model, messages: USER, response_format });
    assert.ok(isVoyage(JSON.parse(answer.choices[0].message.content)));
  });

  test(`${model}: a fault of the provider before content is an error answer`, async () => {
    const cases = [
      ["e429", OpenAI.RateLimitError, 429],
      ["e500", OpenAI.InternalServerError, 502],
      ["e529", OpenAI.InternalServerError, 503],
    ];
    for (const [shape, kind, status] of cases) {
      for (const stream of [false, true]) {
        await assert.rejects(client.chat.completions.create({ model, messages: USER, stream }, sim(shape)), (error) => {
          assert.ok(error instanceof kind, `${shape}: ${error}`);
          assert.equal(error.status, status);
          assert.ok(error.error.message);
          return true;
        });
      }
    }
  });

  test(`${model}: a fault of the provider in mid-stream is raised after the text that came`, async () => {
    let text = "";
    const read = async () => {
      const stream = await client.chat.completions.create({ model, messages: USER, stream: true }, sim("c20-errevent5"));
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    };
    await assert.rejects(read, (error) => {
      assert.ok(error instanceof OpenAI.APIError && !(error instanceof OpenAI.APIConnectionError), String(error));
      assert.ok(error.error.message);
      return true;
    });
    assert.equal(words(text), 5);
  });
}

test("reasoning is told before the text, signed, and counted", async () => {
  const ask = { model: TRANSLATED, messages: USER, max_tokens: 4096, stream: true, reasoning: { max_tokens: 2048 } };
  const { chunks, text, deltas } = await collect(await client.chat.completions.create(ask));
  assert.ok(text);
  const last = deltas.findLastIndex((delta) => delta.reasoning);
  const first = deltas.findIndex((delta) => delta.content);
  assert.ok(last >= 0 && last < first);
  assert.ok(deltas.some((delta) => delta.reasoning_details?.some((detail) => detail.signature)));
  assert.ok(chunks.at(-1).usage.completion_tokens_details.reasoning_tokens > 0);
});

test("a caller who breaks off a stream does not disturb the next request", async () => {
  const stream = await client.chat.completions.create({ model: "simulator/sim-c500-d5", messages: USER, stream: true });
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
  const answer = await client.chat.completions.create({ model: "simulator/echo", messages: USER });
  assert.equal(answer.choices[0].message.content, TEXT);
});

test("a wrong key is refused", async () => {
  const wrong = open(`sk-or-v1-${"0".repeat(64)}`);
  await assert.rejects(wrong.chat.completions.create({ model: RAW, messages: USER }), OpenAI.AuthenticationError);
});

test("a bad field is refused by name", async () => {
  for (const [field, body] of [["temperature", { temperature: "hot" }], ["messages", { messages: [] }], ["transforms", { transforms: ["middle-out"] }]]) {
    await assert.rejects(client.chat.completions.create({ model: RAW, messages: USER, ...body }), (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError, String(error));
      assert.ok(error.error.message.includes(field), error.error.message);
      return true;
    });
  }
});

test("an unknown model is refused by name", async () => {
  await assert.rejects(client.chat.completions.create({ model: "acme/fake-1.0", messages: USER }), (error) => {
    assert.ok([400, 404].includes(error.status), String(error));
    assert.ok(error.error.message.includes("acme/fake-1.0"));
    return true;
  });
});
