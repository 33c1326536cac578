"""What both Python suites send. The simulator answers every slug, and these two in one dialect each: the raw and the translated lane."""

RAW = "openai/gpt-4o-mini"
TRANSLATED = "anthropic/claude-translated"
LANES = [RAW, TRANSLATED]

# Bytes of several lengths, quotes and line ends: what a careless relay breaks.
TEXT = 'Where does "Cabo da Roca" lie?\nÀ beira-mar — 大西洋 🌊, 38°47′N.'

USER = [{"role": "user", "content": TEXT}]

# One transparent pixel.
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="

HARBOUR = {
    "type": "function",
    "function": {
        "name": "find_harbour",
        "description": "Finds the nearest harbour.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "depth_m": {"type": "integer", "minimum": 2}},
            "required": ["city", "depth_m"],
            "additionalProperties": False,
        },
    },
}
TIDE = {
    "type": "function",
    "function": {
        "name": "read_tide",
        "description": "Reads the tide table.",
        "parameters": {"type": "object", "properties": {"date": {"type": "string", "format": "date"}}, "required": ["date"]},
    },
}
TOOLS = [HARBOUR, TIDE]

VOYAGE = {
    "type": "object",
    "properties": {"port": {"type": "string"}, "miles": {"type": "integer"}, "calm": {"type": "boolean"}},
    "required": ["port", "miles", "calm"],
    "additionalProperties": False,
}
VOYAGE_FORMAT = {"type": "json_schema", "json_schema": {"name": "voyage", "strict": True, "schema": VOYAGE}}


def is_voyage(value: object) -> bool:
    kinds = {"port": str, "miles": int, "calm": bool}
    return isinstance(value, dict) and value.keys() == kinds.keys() and all(type(value[name]) is kind for name, kind in kinds.items())


def is_harbour_call(arguments: dict) -> bool:
    return arguments.keys() == {"city", "depth_m"} and isinstance(arguments["city"], str) and arguments["depth_m"] >= 2
