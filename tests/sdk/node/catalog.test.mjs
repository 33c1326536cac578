// The catalog through OpenRouter's client: each operation, each of its filters. The client checks every answer against its schemas.

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { OpenRouter } from "@openrouter/sdk";
import * as errors from "@openrouter/sdk/models/errors";
import OpenAI from "openai";

import { startGateway } from "./gateway.mjs";
import { RAW, TRANSLATED } from "./samples.mjs";
import { test } from "./strict.mjs";

const MILLION = 1e6;

let gateway;
let router;

before(async () => {
  gateway = await startGateway();
  router = new OpenRouter({ apiKey: gateway.key, serverURL: gateway.openrouterUrl, retryConfig: { strategy: "none" }, timeoutMs: 60_000 });
});

after(async () => assert.equal(await gateway?.stop(), 0, "serve drains and ends well"));

async function gather(pages) {
  const models = [];
  for await (const page of await pages) models.push(...page.result.data);
  return models;
}

const list = (request) => gather(router.models.list(request));
const ids = (models) => models.map((model) => model.id);
const words = (model) => `${model.id} ${model.name}`.toLowerCase();
const prompt = (model) => Number(model.pricing.prompt) * MILLION;
const completion = (model) => Number(model.pricing.completion) * MILLION;

// What is asked for, and what then holds of every model. All of them leave some models and drop others.
const FILTERS = [
  [{ inputModalities: "text,image" }, (m) => m.architecture.inputModalities.includes("image")],
  [{ supportedParameters: "tools,seed" }, (m) => ["tools", "seed"].every((name) => m.supportedParameters.includes(name))],
  [{ q: "gpt MINI" }, (m) => words(m).includes("gpt") && words(m).includes("mini")],
  [{ arch: "claude" }, (m) => m.architecture.tokenizer === "Claude"],
  [{ modelAuthors: "openai,qwen" }, (m) => /^~?(openai|qwen)\//.test(m.id)],
  [{ context: 200_000 }, (m) => m.contextLength >= 200_000],
  [{ minPrice: 2.5 }, (m) => prompt(m) > 2.499],
  [{ maxPrice: 0.15 }, (m) => prompt(m) >= 0 && prompt(m) < 0.151],
  [{ minOutputPrice: 15 }, (m) => completion(m) > 14.99],
  [{ maxOutputPrice: 0.6 }, (m) => completion(m) >= 0 && completion(m) < 0.601],
  [{ minAgeDays: 730 }, (m) => m.created > 0],
  [{ maxAgeDays: 730 }, (m) => m.created > 0],
  [{ providers: "Anthropic,groq" }, () => true],
];

for (const [asked, holds] of FILTERS) {
  test(`models are filtered by ${Object.keys(asked)}`, async () => {
    const kept = await list(asked);
    assert.ok(kept.length > 0 && kept.every(holds));
    assert.ok(kept.length < (await list()).length);
  });
}

test("filters on what few models have are answered", async () => {
  const every = new Set(ids(await list()));
  for (const asked of [{ zdr: "true" }, { region: "eu" }, { region: "us" }, { distillable: "true" }, { distillable: "false" }]) {
    assert.ok(ids(await list(asked)).every((id) => every.has(id)), JSON.stringify(asked));
  }
});

test("what a model gives is text unless asked", async () => {
  const every = await list({ outputModalities: "all" });
  assert.ok((await list()).every((model) => model.architecture.outputModalities.includes("text")));
  for (const outputModalities of ["text", "image", "audio", "embeddings", "video", "rerank", "speech", "transcription", "all"]) {
    const { length } = await list({ outputModalities });
    assert.ok(length <= every.length);
    assert.equal((await router.models.count({ outputModalities })).data.count, length, outputModalities);
  }
});

test("each sort that is served orders the whole list", async () => {
  const every = ids(await list()).sort();
  for (const [sort, key] of [
    ["newest", (m) => -m.created],
    ["context-high-to-low", (m) => -m.contextLength],
    ["pricing-low-to-high", (m) => prompt(m) + completion(m)],
    ["pricing-high-to-low", (m) => -prompt(m) - completion(m)],
    ["throughput-high-to-low", () => 0],
    ["latency-low-to-high", () => 0],
  ]) {
    const sorted = await list({ sort });
    const keys = sorted.filter((m) => prompt(m) >= 0).map(key);
    assert.ok(keys.every((one, i) => i === 0 || keys[i - 1] <= one + 1e-9), sort);
    assert.deepEqual(ids(sorted).sort(), every, sort);
  }
});

test("what can not be filtered by is refused by name", async () => {
  for (const [name, asked] of [
    ["category", { category: "programming" }],
    ["sort", { sort: "most-popular" }],
    ["sort", { sort: "design-arena-elo-high-to-low" }],
    ["min_intelligence_index", { minIntelligenceIndex: 50 }],
    ["max_intelligence_index", { maxIntelligenceIndex: 50 }],
    ["min_coding_index", { minCodingIndex: 50 }],
    ["max_coding_index", { maxCodingIndex: 50 }],
    ["min_agentic_index", { minAgenticIndex: 50 }],
    ["max_agentic_index", { maxAgenticIndex: 50 }],
    ["min_tool_success_rate", { minToolSuccessRate: 0.5 }],
    ["max_tool_success_rate", { maxToolSuccessRate: 0.5 }],
    ["region", { region: "mars" }],
    ["output_modalities", { outputModalities: "smell" }],
    ["limit", { limit: 1001 }],
  ]) {
    await assert.rejects(list(asked), (error) => {
      assert.ok(error instanceof errors.BadRequestResponseError, `${name}: ${error}`);
      assert.ok(error.error.message.startsWith(`${name}: `), error.error.message);
      return true;
    });
  }
});

test("the pages of a filtered list are the list", async () => {
  const asked = { modelAuthors: "openai", sort: "pricing-low-to-high" };
  const every = ids(await list(asked));
  assert.ok(every.length > 4);
  assert.deepEqual(ids(await list({ ...asked, limit: 4 })), every);
});

test("a model is shown by its name and by its canonical one", async () => {
  for (const model of await list({ modelAuthors: "openai,anthropic" })) {
    for (const name of [model.id, model.canonicalSlug]) {
      const [author, slug] = name.split("/");
      assert.ok((await router.models.get({ author, slug })).data.id);
    }
  }
  for (const [author, slug] of [["acme", "fake-1.0"], ["openai", "gpt-4o-mini:free"]]) {
    await assert.rejects(router.models.get({ author, slug }), errors.NotFoundResponseError);
  }
});

test("a key sees the models that it may use", async () => {
  const own = await gather(router.models.listForUser({ bearer: gateway.key }));
  const every = new Set(ids(await list()));
  assert.ok(ids(own).every((id) => every.has(id)));
  for (const id of [RAW, TRANSLATED, "simulator/echo"]) assert.ok(ids(own).includes(id), id);
  const asked = { outputModalities: "all", sort: "newest", limit: 7 };
  assert.ok((await gather(router.models.listForUser({ bearer: gateway.key }, asked))).length >= own.length);
  await assert.rejects(gather(router.models.listForUser({ bearer: `sk-or-v1-${"0".repeat(64)}` })), errors.UnauthorizedResponseError);
});

test("every model has its endpoints", async () => {
  for (const model of await list({ outputModalities: "all" })) {
    const [author, slug] = model.id.split("/");
    // An alias has the endpoints of what it stands for.
    const own = author.startsWith("~") ? model.aliasTarget.slug : model.id;
    assert.equal((await router.endpoints.list({ author, slug })).data.id, own);
  }
  assert.deepEqual((await router.endpoints.list({ author: "openai", slug: "gpt-4o-mini:free" })).data.endpoints, []);
});

test("endpoints of zero retention and models of other tasks are listed", async () => {
  const every = new Set(ids(await list({ outputModalities: "all" })));
  for (const endpoint of (await router.endpoints.listZdrEndpoints()).data) assert.ok(every.has(endpoint.modelId));
  for (const model of await gather(router.embeddings.listModels())) assert.ok(every.has(model.id));
  const images = (await router.images.listModels()).data;
  let priced = 0;
  for (const model of images) {
    const [author, slug] = model.id.split("/");
    const { id, endpoints } = await router.images.listModelEndpoints({ author, slug });
    assert.equal(id, model.id);
    if (endpoints.some(({ pricing }) => pricing.some((line) => line.costUsd > 0))) priced += 1;
  }
  assert.ok(priced > 20 && images.filter((model) => model.supportedParameters.aspect_ratio?.values.length > 1).length > 20);
  const videos = (await router.videoGeneration.listVideosModels()).data;
  for (const model of videos) assert.ok(every.has(model.id));
  assert.ok(videos.filter((model) => model.supportedDurations && model.pricingSkus).length > 10);
  assert.ok((await list({ outputModalities: "speech" })).some((model) => model.supportedVoices?.length > 1));
  await assert.rejects(router.images.listModelEndpoints({ author: "openai", slug: "gpt-4o-mini" }), errors.NotFoundResponseError);
  assert.ok((await router.providers.list()).data.length > 0);
});

test("OpenAI's client retrieves a model by its slug", async () => {
  const client = new OpenAI({ apiKey: gateway.key, baseURL: gateway.openaiUrl, maxRetries: 0 });
  const model = await client.models.retrieve(RAW);
  assert.deepEqual([model.id, model.object, model.owned_by], [RAW, "model", "openai"]);
});
