"""The official OpenRouter client against /api/v1. It checks every answer against its models: a missing field is an error."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx
import pytest
from openrouter import OpenRouter, errors

from conftest import Headers, openrouter_client
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


def sim(shape: str) -> dict[str, str]:
    return {"X-Sim": shape}


def collect(router: OpenRouter, **request) -> tuple[str, list]:
    with router.chat.send(stream=True, **request) as stream:
        chunks = list(stream)
    return "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices), chunks


# Catalog


def test_models_are_listed_with_prices_as_decimal_strings(router: OpenRouter) -> None:
    models = {model.id: model for model in router.models.list(limit=1000).result.data}
    for id in [RAW, TRANSLATED, "simulator/echo"]:
        assert Decimal(models[id].pricing.prompt) > 0
        assert Decimal(models[id].pricing.completion) > 0
        assert models[id].context_length > 0
        assert "text" in models[id].architecture.output_modalities
    assert "tools" in models[RAW].supported_parameters


def test_models_are_paged_as_the_client_asks(router: OpenRouter) -> None:
    every = [model.id for model in router.models.list(limit=1000).result.data]
    page = router.models.list(limit=3)
    assert len(page.result.data) == 3
    assert page.result.total_count == len(every)
    assert page.result.links.next
    gathered = []
    for _ in range(len(every) + 1):
        gathered += [model.id for model in page.result.data]
        page = page.next()
        if page is None:
            break
    assert gathered == every


def test_the_count_is_that_of_the_list(router: OpenRouter) -> None:
    assert router.models.count().data.count == router.models.list().result.total_count


@pytest.mark.parametrize("model", [*LANES, "simulator/echo"])
def test_the_endpoints_of_a_model_are_listed(router: OpenRouter, model: str) -> None:
    author, slug = model.split("/")
    answer = router.endpoints.list(author=author, slug=slug).data
    assert answer.id == model
    assert answer.endpoints
    for endpoint in answer.endpoints:
        assert endpoint.model_id == model
        assert endpoint.tag and endpoint.provider_name
        assert Decimal(endpoint.pricing.completion) > 0


def test_the_endpoints_of_an_unknown_model_are_not_found(router: OpenRouter) -> None:
    with pytest.raises(errors.NotFoundResponseError):
        router.endpoints.list(author="acme", slug="fake-1.0")


def test_the_providers_of_all_endpoints_are_listed(router: OpenRouter) -> None:
    providers = {provider.name: provider.slug for provider in router.providers.list().data}
    for model in [*LANES, "simulator/echo"]:
        author, slug = model.split("/")
        for endpoint in router.endpoints.list(author=author, slug=slug).data.endpoints:
            assert endpoint.provider_name in providers
            assert endpoint.tag.split("/")[0] == providers[endpoint.provider_name]


# Chat


@pytest.mark.parametrize("model", LANES)
def test_a_chat_is_answered_with_cost_and_its_details(router: OpenRouter, seen: Headers, model: str) -> None:
    answer = router.chat.send(model=model, messages=USER)
    assert seen.last["x-generation-id"] == answer.id
    assert seen.last["x-portolan-simulated"] == "true"
    assert (answer.model, answer.choices[0].finish_reason) == (model, "stop")
    assert answer.choices[0].message.content
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.cost > 0
    details = answer.usage.cost_details
    assert details.upstream_inference_prompt_cost > 0 and details.upstream_inference_completions_cost > 0
    both = details.upstream_inference_prompt_cost + details.upstream_inference_completions_cost
    assert both == pytest.approx(answer.usage.cost, abs=1e-12)


@pytest.mark.parametrize("model", LANES)
def test_the_cost_is_the_price_times_the_tokens(router: OpenRouter, model: str) -> None:
    answer = router.chat.send(model=model, messages=USER, http_headers=sim("in1000-c50"))
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (1000, 50)
    author, slug = model.split("/")
    endpoints = router.endpoints.list(author=author, slug=slug).data.endpoints
    costs = {1000 * Decimal(e.pricing.prompt) + 50 * Decimal(e.pricing.completion) for e in endpoints}
    assert Decimal(repr(answer.usage.cost)).quantize(Decimal("1e-9")) in {cost.quantize(Decimal("1e-9")) for cost in costs}


@pytest.mark.parametrize("model", LANES)
def test_a_stream_ends_with_usage_and_cost(router: OpenRouter, seen: Headers, model: str) -> None:
    text, chunks = collect(router, model=model, messages=USER, http_headers=sim("echo"))
    assert text == TEXT
    assert {chunk.id for chunk in chunks} == {seen.last["x-generation-id"]}
    assert {chunk.model for chunk in chunks} == {model}
    assert {c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason} == {"stop"}
    assert [bool(chunk.usage) for chunk in chunks].index(True) == len(chunks) - 1
    assert chunks[-1].usage.cost > 0


def test_a_client_that_waits_is_kept_alive_by_comments_and_reads_on(gateway: Gateway) -> None:
    # The gateway's interval is 10 s; the three wait at the same time.
    slow = {"model": "simulator/sim-l11000-c5", "messages": USER}

    def lines() -> list[str]:
        headers = {"Authorization": f"Bearer {gateway.key}"}
        with httpx.stream("POST", f"{gateway.openrouter_url}/chat/completions", json=slow | {"stream": True}, headers=headers, timeout=60) as raw:
            return [line for line in raw.iter_lines() if line]

    with ThreadPoolExecutor() as pool:
        raw = pool.submit(lines)
        read = pool.submit(collect, openrouter_client(gateway), **slow)
        failing = pool.submit(collect, openrouter_client(gateway), model="simulator/sim-l11000-e503", messages=USER)
    assert raw.result()[0] == ": OPENROUTER PROCESSING"
    assert raw.result()[-1] == "data: [DONE]"
    assert len(read.result()[0].split()) == 5
    # The status has been sent with the first comment: the failure is told in the stream.
    last = failing.result()[1][-1]
    assert (last.error.code, last.choices[0].finish_reason) == (503, "error")


def test_the_second_of_two_models_answers_where_the_first_fails(router: OpenRouter) -> None:
    answer = router.chat.send(models=["simulator/sim-e503", RAW], messages=USER)
    assert answer.model == RAW


@pytest.mark.parametrize("model", LANES)
@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "find_harbour"}}], ids=["required", "named"])
def test_a_demanded_tool_is_called_and_its_result_goes_back(router: OpenRouter, model: str, choice) -> None:
    first = router.chat.send(model=model, messages=USER, tools=[HARBOUR], tool_choice=choice)
    [call] = first.choices[0].message.tool_calls
    assert call.function.name == "find_harbour"
    assert is_harbour_call(json.loads(call.function.arguments))
    messages = [*USER, first.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "Cascais, 9 m"}]
    second = router.chat.send(model=model, messages=messages, tools=[HARBOUR])
    assert second.choices[0].message.content


@pytest.mark.parametrize("model", LANES)
def test_parallel_calls_are_streamed_by_index(router: OpenRouter, model: str) -> None:
    _, chunks = collect(router, model=model, messages=USER, tools=TOOLS, http_headers=sim("tool2"))
    calls: dict[int, dict[str, str]] = {}
    for part in [part for chunk in chunks for c in chunk.choices for part in c.delta.tool_calls or []]:
        call = calls.setdefault(int(part.index), {"id": "", "name": "", "arguments": ""})
        call["id"] += part.id or ""
        call["name"] += (part.function and part.function.name) or ""
        call["arguments"] += (part.function and part.function.arguments) or ""
    assert [calls[index]["name"] for index in sorted(calls)] == ["find_harbour", "read_tide"]
    assert len({call["id"] for call in calls.values()}) == 2
    assert is_harbour_call(json.loads(calls[0]["arguments"]))
    assert json.loads(calls[1]["arguments"]).keys() == {"date"}


@pytest.mark.parametrize("model", LANES)
def test_an_image_goes_in_beside_text(router: OpenRouter, model: str) -> None:
    content = [{"type": "text", "text": "What is on this chart?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    answer = router.chat.send(model=model, messages=[{"role": "user", "content": content}], http_headers=sim("echo"))
    assert answer.choices[0].message.content == "What is on this chart?"


@pytest.mark.parametrize("model", LANES)
def test_structured_output_fits_the_schema(router: OpenRouter, model: str) -> None:
    answer = router.chat.send(model=model, messages=USER, response_format=VOYAGE_FORMAT)
    assert is_voyage(json.loads(answer.choices[0].message.content))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_reasoning_is_told_in_text_and_in_signed_details(router: OpenRouter, stream: bool) -> None:
    request = {"model": TRANSLATED, "messages": USER, "max_tokens": 4096, "reasoning": {"effort": "high"}}
    if stream:
        _, chunks = collect(router, **request)
        parts = [c.delta for chunk in chunks for c in chunk.choices]
        usage = chunks[-1].usage
    else:
        answer = router.chat.send(**request)
        parts, usage = [answer.choices[0].message], answer.usage
    reasoning = "".join(part.reasoning or "" for part in parts)
    details = [detail for part in parts for detail in part.reasoning_details or []]
    assert reasoning
    assert "".join(getattr(detail, "text", None) or "" for detail in details) == reasoning
    assert any(getattr(detail, "signature", None) for detail in details)
    assert usage.completion_tokens_details.reasoning_tokens > 0


# Generations and the key


@pytest.mark.parametrize("model", LANES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_generation_is_found_as_soon_as_its_answer_has_ended(gateway: Gateway, model: str, stream: bool) -> None:
    router = openrouter_client(gateway, http_referer="https://example.com/crew", x_open_router_title="Crew")
    request = {"model": model, "messages": USER, "http_headers": sim("c30")}
    if stream:
        answer = collect(router, **request)[1][-1]
    else:
        answer = router.chat.send(**request)
    record = router.generations.get_generation(id=answer.id).data
    assert (record.id, record.model) == (answer.id, model)
    assert record.streamed is stream
    assert (record.cancelled, record.is_byok) == (False, False)
    assert record.total_cost == pytest.approx(answer.usage.cost, abs=1e-12)
    assert record.usage == pytest.approx(answer.usage.cost, abs=1e-12)
    assert (record.tokens_prompt, record.tokens_completion) == (answer.usage.prompt_tokens, 30)
    assert (record.native_tokens_prompt, record.native_tokens_completion) == (answer.usage.prompt_tokens, 30)
    assert record.finish_reason == "stop"
    assert record.provider_name and record.upstream_id
    assert record.http_referer == "https://example.com/crew"
    assert [attempt.status for attempt in record.provider_responses] == [200]


def test_a_generation_tells_the_attempts_that_failed(router: OpenRouter) -> None:
    answer = router.chat.send(models=["simulator/sim-e503", RAW], messages=USER)
    record = router.generations.get_generation(id=answer.id).data
    assert [attempt.status for attempt in record.provider_responses] == [503, 200]


def test_a_generation_that_never_was_is_not_found(router: OpenRouter) -> None:
    with pytest.raises(errors.NotFoundResponseError):
        router.generations.get_generation(id="gen-1700000000-abcdefghij0123456789")


def test_a_generation_id_that_is_none_is_refused(router: OpenRouter) -> None:
    with pytest.raises((errors.BadRequestResponseError, errors.NotFoundResponseError)):
        router.generations.get_generation(id="no-generation")


def test_the_key_shows_its_limit_and_what_was_spent(gateway: Gateway) -> None:
    key, _ = gateway.create_key("spender", "--limit", "2.5", "--limit-reset", "daily")
    router = openrouter_client(gateway, key)
    before = router.api_keys.get_current_key_metadata().data
    assert (before.limit, before.limit_remaining, before.limit_reset, before.usage) == (2.5, 2.5, "daily", 0)
    assert (before.is_management_key, before.is_provisioning_key) == (False, False)
    assert key not in before.label
    cost = router.chat.send(model=TRANSLATED, messages=USER).usage.cost
    cost += collect(router, model=RAW, messages=USER)[1][-1].usage.cost
    after = router.api_keys.get_current_key_metadata().data
    for used in [after.usage, after.usage_daily, after.usage_weekly, after.usage_monthly]:
        assert used == pytest.approx(cost, abs=1e-12)
    assert after.limit_remaining == pytest.approx(2.5 - cost, abs=1e-12)


def test_a_key_without_a_limit_says_so(router: OpenRouter) -> None:
    data = router.api_keys.get_current_key_metadata().data
    assert (data.limit, data.limit_remaining, data.limit_reset) == (None, None, None)


# Errors


def test_a_wrong_key_is_refused_everywhere(gateway: Gateway) -> None:
    router = openrouter_client(gateway, "sk-or-v1-" + "0" * 64)
    for call in [
        lambda: router.chat.send(model=RAW, messages=USER),
        router.api_keys.get_current_key_metadata,
        lambda: router.generations.get_generation(id="gen-1700000000-abcdefghij0123456789"),
    ]:
        with pytest.raises(errors.UnauthorizedResponseError) as caught:
            call()
        assert caught.value.data.error.code == 401


def test_a_field_that_is_not_built_yet_is_refused_by_name(router: OpenRouter) -> None:
    with pytest.raises(errors.BadRequestResponseError) as caught:
        router.chat.send(model=RAW, messages=USER, plugins=[{"id": "web"}])
    assert "plugins" in caught.value.message
    assert caught.value.data.error.metadata["rule"] == "not_supported"


def test_a_bad_value_is_refused_by_the_name_of_its_field(router: OpenRouter) -> None:
    with pytest.raises(errors.BadRequestResponseError) as caught:
        router.chat.send(model=RAW, messages=USER, temperature=9)
    assert "temperature" in caught.value.message
    assert caught.value.data.error.code == 400


def test_an_unknown_model_is_refused_by_name(router: OpenRouter) -> None:
    with pytest.raises((errors.BadRequestResponseError, errors.NotFoundResponseError)) as caught:
        router.chat.send(model="acme/fake-1.0", messages=USER)
    assert "acme/fake-1.0" in caught.value.message


def test_a_provider_that_does_not_serve_the_model_leaves_no_endpoint(router: OpenRouter) -> None:
    with pytest.raises(errors.NotFoundResponseError) as caught:
        router.chat.send(model=RAW, messages=USER, provider={"only": ["anthropic"]})
    assert caught.value.data.error.metadata["rule"] == "provider_not_allowed"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("shape", "error", "code"),
    [
        ("e429-ra7", errors.TooManyRequestsResponseError, 429),
        ("e500", errors.BadGatewayResponseError, 502),
        ("e503", errors.ServiceUnavailableResponseError, 503),
        ("garble", errors.BadGatewayResponseError, 502),
    ],
)
def test_a_fault_of_the_provider_has_a_class_of_its_own(
    router: OpenRouter, stream: bool, shape: str, error: type[errors.OpenRouterError], code: int
) -> None:
    with pytest.raises(error) as caught:
        router.chat.send(model=f"simulator/sim-{shape}", messages=USER, stream=stream)
    assert caught.value.data.error.code == code
    assert caught.value.data.error.metadata["error_type"]
    assert caught.value.headers["x-generation-id"]


@pytest.mark.parametrize("model", LANES)
def test_a_fault_of_the_provider_in_mid_stream_is_told_in_the_last_chunk(router: OpenRouter, model: str) -> None:
    text, chunks = collect(router, model=model, messages=USER, http_headers=sim("c20-errevent5"))
    assert len(text.split()) == 5
    # The simulator's error event is an `overloaded_error` in Anthropic's dialect, a `server_error` in OpenAI's.
    expected = {RAW: (502, "provider_unavailable"), TRANSLATED: (503, "provider_overloaded")}[model]
    assert (chunks[-1].error.code, chunks[-1].error.metadata.error_type) == expected
    assert chunks[-1].error.message
    assert chunks[-1].choices[0].finish_reason == "error"
    # Broken off by the provider after content: nothing is charged.
    assert router.generations.get_generation(id=chunks[-1].id).data.total_cost == 0
