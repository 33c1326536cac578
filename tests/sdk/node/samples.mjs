// What both suites send. The simulator answers every slug, and these two in one dialect each: the raw and the translated lane.

export const RAW = "openai/gpt-4o-mini";
export const TRANSLATED = "anthropic/claude-translated";
export const LANES = [RAW, TRANSLATED];

// Bytes of several lengths, quotes and line ends: what a careless relay breaks.
export const TEXT = 'Where does "Cabo da Roca" lie?\nÀ beira-mar — 大西洋 🌊, 38°47′N.';

export const USER = [{ role: "user", content: TEXT }];

// One transparent pixel.
export const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

export const HARBOUR = {
  type: "function",
  function: {
    name: "find_harbour",
    description: "Finds the nearest harbour.",
    parameters: {
      type: "object",
      properties: { city: { type: "string" }, depth_m: { type: "integer", minimum: 2 } },
      required: ["city", "depth_m"],
      additionalProperties: false,
    },
  },
};

export const TIDE = {
  type: "function",
  function: {
    name: "read_tide",
    description: "Reads the tide table.",
    parameters: { type: "object", properties: { date: { type: "string", format: "date" } }, required: ["date"] },
  },
};

export const VOYAGE = {
  type: "object",
  properties: { port: { type: "string" }, miles: { type: "integer" }, calm: { type: "boolean" } },
  required: ["port", "miles", "calm"],
  additionalProperties: false,
};

export const GENERATION_ID = /^gen-\d{10}-[0-9A-Za-z]{20}$/;

export const words = (text) => text.split(/\s+/).filter(Boolean).length;

export function isVoyage(value) {
  return (
    Object.keys(value).sort().join() === "calm,miles,port" &&
    typeof value.port === "string" &&
    Number.isInteger(value.miles) &&
    typeof value.calm === "boolean"
  );
}

export function isHarbourCall(json) {
  const value = JSON.parse(json);
  return Object.keys(value).sort().join() === "city,depth_m" && typeof value.city === "string" && value.depth_m >= 2;
}
