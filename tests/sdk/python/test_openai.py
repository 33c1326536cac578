"""The official OpenAI client against /v1."""

from __future__ import annotations

import asyncio
import json
import re

import openai
import pydantic
import pytest

from conftest import TIMEOUT_SECONDS, openai_client
from gateway import Gateway
from samples import (
    HARBOUR,
    LANES,
    PIXEL,
    RAW,
    TEXT,
    TOOLS,
    TRANSLATED,
    USER,
    VOYAGE_FORMAT,
    is_harbour_call,
    is_voyage,
)

GENERATION_ID = re.compile(r"gen-\d{10}-[0-9A-Za-z]{20}")


def sim(shape: str) -> dict[str, str]:
    return {"X-Sim": shape}


def extra(value: pydantic.BaseModel, name: str):
    """A field of OpenRouter's, which OpenAI's types do not know."""
    return (value.model_extra or {}).get(name)


def collect(stream) -> tuple[str, list]:
    chunks = list(stream)
    return "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices), chunks


def assemble_calls(chunks: list) -> list[dict]:
    """Tool calls from their fragments, by index."""
    calls: dict[int, dict] = {}
    for chunk in chunks:
        for choice in chunk.choices:
            for part in choice.delta.tool_calls or []:
                call = calls.setdefault(part.index, {"id": "", "name": "", "arguments": ""})
                call["id"] += part.id or ""
                call["name"] += (part.function.name if part.function else None) or ""
                call["arguments"] += (part.function.arguments if part.function else None) or ""
    return [calls[index] for index in sorted(calls)]


def finish_reasons(chunks: list) -> set[str]:
    return {c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason}


# Models


def test_models_are_listed_in_openais_shape(client: openai.OpenAI) -> None:
    models = {model.id: model for model in client.models.list()}
    for id in [RAW, TRANSLATED, "simulator/echo"]:
        assert models[id].object == "model"
        assert models[id].owned_by
        # A model of the configuration has no date.
        assert models[id].created > 0 or id == TRANSLATED


# Chat


@pytest.mark.parametrize("model", LANES)
def test_a_chat_is_answered_with_usage_and_cost(client: openai.OpenAI, model: str) -> None:
    raw = client.chat.completions.with_raw_response.create(model=model, messages=USER)
    answer = raw.parse()
    assert GENERATION_ID.fullmatch(answer.id)
    assert raw.headers["x-generation-id"] == answer.id
    assert raw.headers["x-portolan-simulated"] == "true"
    assert (answer.object, answer.model) == ("chat.completion", model)
    assert len(answer.choices) == 1
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    usage = answer.usage
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert extra(usage, "cost") > 0


@pytest.mark.parametrize("model", LANES)
def test_the_text_of_the_caller_reaches_the_model_and_that_of_the_model_the_caller_unchanged(client: openai.OpenAI, model: str) -> None:
    answer = client.chat.completions.create(model=model, messages=USER, extra_headers=sim("echo"))
    assert answer.choices[0].message.content == TEXT


@pytest.mark.parametrize("model", LANES)
def test_a_conversation_with_instructions_and_earlier_turns_is_accepted(client: openai.OpenAI, model: str) -> None:
    messages = [
        {"role": "system", "content": "You are a pilot."},
        {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
        {"role": "assistant", "content": "Ahoy"},
        {"role": "user", "content": "Which way?"},
    ]
    answer = client.chat.completions.create(
        model=model, messages=messages, temperature=0.2, top_p=0.9, stop=["END"], user="crew-7", extra_headers=sim("echo")
    )
    assert answer.choices[0].message.content == "Which way?"


@pytest.mark.parametrize("model", LANES)
def test_the_limit_of_the_caller_is_kept(client: openai.OpenAI, model: str) -> None:
    answer = client.chat.completions.create(model=model, messages=USER, max_tokens=5, extra_headers=sim("c200"))
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 5


def test_a_chat_works_with_the_asynchronous_client(gateway: Gateway) -> None:
    async def ask() -> tuple[str, str]:
        async with openai.AsyncOpenAI(api_key=gateway.key, base_url=gateway.openai_url, max_retries=0, timeout=TIMEOUT_SECONDS) as client:
            whole = client.chat.completions.create(model="simulator/echo", messages=USER)
            stream = await client.chat.completions.create(model="simulator/echo", messages=USER, stream=True)
            streamed = "".join([c.delta.content or "" async for chunk in stream for c in chunk.choices])
            return (await whole).choices[0].message.content, streamed

    assert asyncio.run(ask()) == (TEXT, TEXT)


# Streams


@pytest.mark.parametrize("model", LANES)
def test_a_stream_carries_the_same_text_one_finish_reason_and_usage_in_its_last_chunk(client: openai.OpenAI, model: str) -> None:
    raw = client.chat.completions.with_raw_response.create(model=model, messages=USER, stream=True, extra_headers=sim("echo"))
    assert raw.headers["content-type"].startswith("text/event-stream")
    text, chunks = collect(raw.parse())
    assert text == TEXT
    assert {chunk.id for chunk in chunks} == {raw.headers["x-generation-id"]}
    assert {(chunk.model, chunk.object) for chunk in chunks} == {(model, "chat.completion.chunk")}
    assert finish_reasons(chunks) == {"stop"}
    assert [chunk.usage is not None for chunk in chunks].index(True) == len(chunks) - 1, "usage stands in the last chunk only"
    usage = chunks[-1].usage
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert extra(usage, "cost") > 0


@pytest.mark.parametrize("model", LANES)
def test_every_token_of_a_long_stream_arrives_and_is_counted(client: openai.OpenAI, model: str) -> None:
    stream = client.chat.completions.create(model=model, messages=USER, stream=True, extra_headers=sim("c200"))
    text, chunks = collect(stream)
    assert len(text.split()) == 200
    assert chunks[-1].usage.completion_tokens == 200


def test_a_shape_in_the_name_of_a_model_of_the_simulator_is_answered(client: openai.OpenAI) -> None:
    text, chunks = collect(client.chat.completions.create(model="simulator/sim-c40-d1", messages=USER, stream=True))
    assert len(text.split()) == 40
    assert {chunk.model for chunk in chunks} == {"simulator/sim-c40-d1"}


@pytest.mark.parametrize("model", LANES)
def test_a_stream_and_a_whole_answer_cost_the_same(client: openai.OpenAI, model: str) -> None:
    # At one provider: prices differ from one to the next.
    alike = {"model": model, "messages": USER, "extra_headers": sim("echo"), "extra_body": {"provider": {"only": [model.split("/")[0]]}}}
    whole = client.chat.completions.create(**alike)
    _, chunks = collect(client.chat.completions.create(**alike, stream=True))
    assert extra(chunks[-1].usage, "cost") == extra(whole.usage, "cost")


def test_the_end_of_a_stream_is_marked_and_nothing_follows(client: openai.OpenAI) -> None:
    with client.chat.completions.with_streaming_response.create(model=RAW, messages=USER, stream=True) as answer:
        lines = [line for line in answer.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"
    assert lines.count("data: [DONE]") == 1


# Tools


@pytest.mark.parametrize("model", LANES)
@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "find_harbour"}}], ids=["required", "named"])
def test_a_demanded_tool_is_called_with_arguments_that_fit(client: openai.OpenAI, model: str, choice) -> None:
    answer = client.chat.completions.create(model=model, messages=USER, tools=[HARBOUR], tool_choice=choice)
    # OpenAI's own answer to a named tool says "stop"; OpenRouter's list of reasons has both.
    assert answer.choices[0].finish_reason in ("tool_calls", "stop")
    [call] = answer.choices[0].message.tool_calls
    assert (call.type, call.function.name) == ("function", "find_harbour")
    assert call.id
    assert is_harbour_call(json.loads(call.function.arguments))


@pytest.mark.parametrize("model", LANES)
def test_a_tool_that_is_forbidden_is_not_called(client: openai.OpenAI, model: str) -> None:
    answer = client.chat.completions.create(model=model, messages=USER, tools=TOOLS, tool_choice="none", extra_headers=sim("tool2"))
    assert not answer.choices[0].message.tool_calls
    assert answer.choices[0].message.content


@pytest.mark.parametrize("model", LANES)
def test_streamed_fragments_of_parallel_calls_join_to_whole_calls(client: openai.OpenAI, model: str) -> None:
    stream = client.chat.completions.create(model=model, messages=USER, tools=TOOLS, stream=True, extra_headers=sim("tool2"))
    _, chunks = collect(stream)
    harbour, tide = assemble_calls(chunks)
    assert (harbour["name"], tide["name"]) == ("find_harbour", "read_tide")
    assert harbour["id"] and tide["id"] and harbour["id"] != tide["id"]
    assert is_harbour_call(json.loads(harbour["arguments"]))
    assert json.loads(tide["arguments"]).keys() == {"date"}
    assert finish_reasons(chunks) == {"tool_calls"}


@pytest.mark.parametrize("model", LANES)
def test_one_call_at_a_time_is_made_where_the_caller_wants_that(client: openai.OpenAI, model: str) -> None:
    answer = client.chat.completions.create(
        model=model, messages=USER, tools=TOOLS, parallel_tool_calls=False, extra_headers=sim("tool2")
    )
    assert len(answer.choices[0].message.tool_calls) == 1


@pytest.mark.parametrize("model", LANES)
def test_the_results_of_parallel_calls_go_back_and_the_model_goes_on(client: openai.OpenAI, model: str) -> None:
    first = client.chat.completions.create(model=model, messages=USER, tools=TOOLS, extra_headers=sim("tool2"))
    message = first.choices[0].message
    assert len(message.tool_calls) == 2
    # What the client got is sent back as it came, extra fields and all.
    results = [{"role": "tool", "tool_call_id": call.id, "content": f"result of {call.function.name}"} for call in message.tool_calls]
    messages = [*USER, message.model_dump(exclude_none=True), *results]
    second = client.chat.completions.create(model=model, messages=messages, tools=TOOLS, extra_headers=sim("tool2"))
    assert second.choices[0].finish_reason == "stop"
    assert second.choices[0].message.content
    assert second.usage.prompt_tokens > first.usage.prompt_tokens


# Images, structured output, reasoning


@pytest.mark.parametrize("model", LANES)
@pytest.mark.parametrize("url", [PIXEL, "https://example.com/chart.png"], ids=["inline", "address"])
def test_an_image_goes_in_beside_text(client: openai.OpenAI, model: str, url: str) -> None:
    content = [{"type": "text", "text": "What is on this chart?"}, {"type": "image_url", "image_url": {"url": url}}]
    answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": content}], extra_headers=sim("echo"))
    assert answer.choices[0].message.content == "What is on this chart?"


@pytest.mark.parametrize("model", LANES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_structured_output_fits_the_schema(client: openai.OpenAI, model: str, stream: bool) -> None:
    answer = client.chat.completions.create(model=model, messages=USER, response_format=VOYAGE_FORMAT, stream=stream)
    text = collect(answer)[0] if stream else answer.choices[0].message.content
    assert is_voyage(json.loads(text))


@pytest.mark.parametrize("model", LANES)
def test_the_clients_own_parser_reads_structured_output(client: openai.OpenAI, model: str) -> None:
    class Voyage(pydantic.BaseModel):
        port: str
        miles: int
        calm: bool

    answer = client.chat.completions.parse(model=model, messages=USER, response_format=Voyage)
    assert isinstance(answer.choices[0].message.parsed, Voyage)


@pytest.mark.parametrize("model", [TRANSLATED, "simulator/reasoner"])
def test_reasoning_is_told_and_counted(client: openai.OpenAI, model: str) -> None:
    body = {"reasoning": {"max_tokens": 2048}} if model == TRANSLATED else {"reasoning": {"effort": "high"}}
    answer = client.chat.completions.create(model=model, messages=USER, max_tokens=4096, extra_body=body)
    message = answer.choices[0].message
    assert message.content
    assert extra(message, "reasoning")
    assert answer.usage.completion_tokens_details.reasoning_tokens > 0
    details = extra(message, "reasoning_details")
    assert "".join(detail.get("text") or detail.get("summary") or "" for detail in details) == extra(message, "reasoning")


def test_signed_reasoning_goes_back_with_the_results_of_tools(client: openai.OpenAI) -> None:
    body = {"reasoning": {"max_tokens": 2048}}
    ask = {"model": TRANSLATED, "max_tokens": 4096, "tools": TOOLS, "extra_body": body, "extra_headers": sim("tool")}
    first = client.chat.completions.create(messages=USER, **ask)
    message = first.choices[0].message
    [detail] = extra(message, "reasoning_details")
    assert detail["type"] == "reasoning.text" and detail["signature"]
    [call] = message.tool_calls
    messages = [*USER, message.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": call.id, "content": "Cascais"}]
    # The simulator refuses a signature that it did not make.
    second = client.chat.completions.create(messages=messages, **ask)
    assert second.choices[0].message.content


def test_streamed_reasoning_comes_before_the_text(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model=TRANSLATED, messages=USER, max_tokens=4096, stream=True, extra_body={"reasoning": {"max_tokens": 2048}}
    )
    _, chunks = collect(stream)
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    kinds = ["reasoning" if extra(delta, "reasoning") else "text" for delta in deltas if extra(delta, "reasoning") or delta.content]
    assert kinds[0] == "reasoning" and kinds[-1] == "text"
    assert kinds == sorted(kinds), "no reasoning follows the text"
    signatures = [detail.get("signature") for delta in deltas for detail in extra(delta, "reasoning_details") or []]
    assert any(signatures)


# Errors


def test_a_wrong_key_is_refused(gateway: Gateway) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        openai_client(gateway, "sk-or-v1-" + "0" * 64).chat.completions.create(model=RAW, messages=USER)
    assert caught.value.status_code == 401
    assert caught.value.body["message"]


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("temperature", {"temperature": "hot"}),
        ("max_tokens", {"max_tokens": -1}),
        ("messages", {"messages": "hello"}),
        ("messages", {"messages": []}),
        ("stream", {"stream": "yes"}),
        ("plugins", {"plugins": [{"id": "web"}]}),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value),
)
def test_a_bad_field_is_refused_by_name(client: openai.OpenAI, field: str, body: dict) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=RAW, messages=USER, extra_body=body)
    assert field in caught.value.body["message"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_unknown_model_is_refused_by_name(client: openai.OpenAI, stream: bool) -> None:
    with pytest.raises((openai.BadRequestError, openai.NotFoundError)) as caught:
        client.chat.completions.create(model="acme/fake-1.0", messages=USER, stream=stream)
    assert "acme/fake-1.0" in caught.value.body["message"]


# What the gateway answers, by lane. Anthropic's errors have a type, which says more than the status: its 503 is an `api_error`, and
# its error event in a stream is an `overloaded_error`.
STATUSES = {
    "e429-ra7": {RAW: 429, TRANSLATED: 429},
    "e500": {RAW: 502, TRANSLATED: 502},
    "e503": {RAW: 503, TRANSLATED: 502},
    "e529": {RAW: 503, TRANSLATED: 503},
    "cut": {RAW: 502, TRANSLATED: 502},
}
STREAM_STATUSES = {"errevent": {RAW: 502, TRANSLATED: 503}, "cut": {RAW: 502, TRANSLATED: 502}, "eof": {RAW: 502, TRANSLATED: 502}}


def check_refusal(client: openai.OpenAI, model: str, stream: bool, shape: str, status: int) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model=model, messages=USER, stream=stream, extra_headers=sim(shape))
    assert caught.value.status_code == status
    assert isinstance(caught.value, openai.RateLimitError if status == 429 else openai.InternalServerError)
    assert caught.value.body["message"]
    assert GENERATION_ID.fullmatch(caught.value.response.headers["x-generation-id"])
    if shape == "e429-ra7":
        assert 1 <= int(caught.value.response.headers["retry-after"]) <= 7


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("model", LANES)
@pytest.mark.parametrize("shape", STATUSES)
def test_a_fault_of_the_provider_before_content_is_an_error_answer(client: openai.OpenAI, model: str, stream: bool, shape: str) -> None:
    check_refusal(client, model, stream, shape, STATUSES[shape][model])


@pytest.mark.parametrize("model", LANES)
@pytest.mark.parametrize("fault", STREAM_STATUSES)
def test_a_stream_that_fails_before_content_is_an_error_answer(client: openai.OpenAI, model: str, fault: str) -> None:
    check_refusal(client, model, True, f"{fault}0", STREAM_STATUSES[fault][model])


@pytest.mark.parametrize("pace", ["", "-d3"], ids=["at-once", "paced"])
@pytest.mark.parametrize("model", LANES)
@pytest.mark.parametrize("fault", STREAM_STATUSES)
def test_a_stream_that_fails_after_content_raises_after_the_text_that_came(client: openai.OpenAI, model: str, fault: str, pace: str) -> None:
    text = ""
    with pytest.raises(openai.APIError) as caught:
        stream = client.chat.completions.create(model=model, messages=USER, stream=True, extra_headers=sim(f"c20-{fault}5{pace}"))
        for chunk in stream:
            text += "".join(choice.delta.content or "" for choice in chunk.choices)
    assert len(text.split()) == 5
    # It ends with an error that is told, not with a broken connection.
    assert not isinstance(caught.value, openai.APIConnectionError)
    assert caught.value.body["code"] == STREAM_STATUSES[fault][model]
    assert caught.value.message
