"""The catalog through OpenRouter's client: each operation, each of its filters. The client checks every answer against its models."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from openai import OpenAI
from openrouter import OpenRouter, components, errors, operations

from conftest import openrouter_client
from gateway import Gateway
from samples import RAW, TRANSLATED

MILLION = 1_000_000
YEAR_DAYS = 365


def prompt_price(model: components.Model) -> Decimal:
    return Decimal(model.pricing.prompt) * MILLION


def completion_price(model: components.Model) -> Decimal:
    return Decimal(model.pricing.completion) * MILLION


def mean_price(model: components.Model) -> Decimal:
    return prompt_price(model) + completion_price(model)


def gather(page) -> list[components.Model]:
    """All models of a list: the client asks for 500 at once unless told otherwise."""
    models = []
    while page is not None:
        models += page.result.data
        page = page.next()
    return models


def ids(page) -> list[str]:
    return [model.id for model in gather(page)]


# What is asked for, and what then holds of every model. All of them leave some models and drop others.
FILTERS: list[tuple[dict, Callable[[components.Model], bool]]] = [
    ({"input_modalities": "text,image"}, lambda m: {"text", "image"} <= set(m.architecture.input_modalities)),
    ({"supported_parameters": "tools,seed"}, lambda m: {"tools", "seed"} <= set(m.supported_parameters)),
    ({"q": "gpt MINI"}, lambda m: all(word in f"{m.id} {m.name}".lower() for word in ["gpt", "mini"])),
    ({"arch": "claude"}, lambda m: m.architecture.tokenizer == "Claude"),
    ({"model_authors": "openai,qwen"}, lambda m: m.id.lstrip("~").split("/")[0] in {"openai", "qwen"}),
    ({"context": 200_000}, lambda m: m.context_length >= 200_000),
    ({"min_price": 2.5}, lambda m: prompt_price(m) >= Decimal("2.5")),
    ({"max_price": 0.15}, lambda m: 0 <= prompt_price(m) <= Decimal("0.15")),
    ({"min_output_price": 15}, lambda m: completion_price(m) >= 15),
    ({"max_output_price": 0.6}, lambda m: 0 <= completion_price(m) <= Decimal("0.6")),
    ({"min_age_days": 2 * YEAR_DAYS}, lambda m: m.created > 0),
    ({"max_age_days": 2 * YEAR_DAYS}, lambda m: m.created > 0),
    ({"providers": "Anthropic,groq"}, lambda m: True),
]


@pytest.mark.parametrize(("asked", "holds"), FILTERS, ids=lambda value: ",".join(value) if isinstance(value, dict) else "")
def test_a_filter_keeps_what_it_says_and_drops_the_rest(router: OpenRouter, asked: dict, holds: Callable) -> None:
    every = router.models.list()
    answer = router.models.list(**asked)
    kept = gather(answer)
    assert kept and all(holds(model) for model in kept)
    assert len(kept) == answer.result.total_count < every.result.total_count


def test_ages_part_the_models_that_have_a_date(router: OpenRouter) -> None:
    dated = {model.id for model in gather(router.models.list()) if model.created}
    older = ids(router.models.list(min_age_days=2 * YEAR_DAYS))
    younger = ids(router.models.list(max_age_days=2 * YEAR_DAYS))
    assert set(older) | set(younger) == dated
    assert not set(older) & set(younger)


@pytest.mark.parametrize("asked", [{"zdr": "true"}, {"region": "eu"}, {"region": "us"}, {"distillable": "true"}, {"distillable": "false"}])
def test_a_filter_on_what_few_models_have_is_answered(router: OpenRouter, asked: dict) -> None:
    assert set(ids(router.models.list(**asked))) <= set(ids(router.models.list()))


def test_the_models_whose_text_may_train_others_are_part_of_the_list(router: OpenRouter) -> None:
    free, bound = (set(ids(router.models.list(distillable=asked))) for asked in ["true", "false"])
    assert "openai/gpt-oss-120b" in free and "openai/gpt-4o-mini" in bound
    assert len(free) > 50 and not free & bound and free | bound == set(ids(router.models.list()))


def test_what_a_model_gives_is_text_unless_asked(router: OpenRouter) -> None:
    every = set(ids(router.models.list(output_modalities="all")))
    assert all("text" in model.architecture.output_modalities for model in gather(router.models.list()))
    for kind in ["text", "image", "audio", "embeddings", "video", "rerank", "decisions", "speech", "transcription", "image,audio"]:
        some = gather(router.models.list(output_modalities=kind))
        assert {model.id for model in some} <= every
        assert all(set(kind.split(",")) & set(model.architecture.output_modalities) for model in some)
        assert router.models.count(output_modalities=kind).data.count == len(some)
    assert router.models.count(output_modalities="all").data.count == len(every)
    assert router.models.count().data.count == router.models.list().result.total_count


SORTS: list[tuple[str, Callable[[components.Model], object]]] = [
    ("newest", lambda m: -m.created),
    ("context-high-to-low", lambda m: -m.context_length),
    ("pricing-low-to-high", mean_price),
    ("pricing-high-to-low", lambda m: -mean_price(m)),
]


@pytest.mark.parametrize(("sort", "key"), SORTS, ids=[name for name, _ in SORTS])
def test_a_sort_orders_the_whole_list(router: OpenRouter, sort: str, key: Callable) -> None:
    known = [model for model in gather(router.models.list(sort=sort)) if Decimal(model.pricing.prompt) >= 0]
    assert [key(model) for model in known] == sorted(key(model) for model in known)
    assert set(ids(router.models.list(sort=sort))) == set(ids(router.models.list()))


@pytest.mark.parametrize("sort", ["throughput-high-to-low", "latency-low-to-high"])
def test_models_can_be_sorted_by_what_is_measured(router: OpenRouter, sort: str) -> None:
    assert set(ids(router.models.list(sort=sort))) == set(ids(router.models.list()))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("category", "programming"),
        ("sort", "top-weekly"),
        ("sort", "intelligence-high-to-low"),
        ("min_intelligence_index", 50),
        ("max_intelligence_index", 50),
        ("min_coding_index", 50),
        ("max_coding_index", 50),
        ("min_agentic_index", 50),
        ("max_agentic_index", 50),
        ("min_tool_success_rate", 0.5),
        ("max_tool_success_rate", 0.5),
        ("region", "mars"),
        ("distillable", "perhaps"),
        ("output_modalities", "smell"),
        ("input_modalities", "smell"),
        ("limit", 1001),
    ],
)
def test_what_can_not_be_filtered_by_is_refused_by_name(router: OpenRouter, name: str, value: object) -> None:
    with pytest.raises(errors.BadRequestResponseError) as caught:
        router.models.list(**{name: value})
    assert caught.value.data.error.metadata["field"] == name
    assert name in caught.value.data.error.message


def test_the_pages_of_a_filtered_list_are_the_list(router: OpenRouter) -> None:
    asked = {"model_authors": "openai", "sort": "pricing-low-to-high"}
    every = ids(router.models.list(**asked))
    assert len(every) > 4
    assert ids(router.models.list(**asked, limit=4)) == every


def test_a_model_is_shown_by_its_name_and_by_its_canonical_one(router: OpenRouter) -> None:
    for listed in gather(router.models.list(model_authors="openai,anthropic")):
        for slug in {listed.id, listed.canonical_slug}:
            author, name = slug.split("/")
            assert router.models.get(author=author, slug=name).data.id
        author, name = listed.id.split("/")
        assert router.models.get(author=author, slug=name).data == listed
    with pytest.raises(errors.NotFoundResponseError):
        router.models.get(author="acme", slug="fake-1.0")
    with pytest.raises(errors.NotFoundResponseError):
        router.models.get(author="openai", slug="gpt-4o-mini:free")


def test_a_key_sees_the_models_that_it_may_use(gateway: Gateway, router: OpenRouter) -> None:
    security = operations.ListModelsUserSecurity(bearer=gateway.key)
    own = ids(router.models.list_for_user(security=security))
    assert {RAW, TRANSLATED, "simulator/echo"} <= set(own) <= set(ids(router.models.list()))
    assert set(own) <= set(ids(router.models.list_for_user(security=security, output_modalities="all", sort="newest")))
    page = router.models.list_for_user(security=security, limit=2, offset=1).result
    assert [model.id for model in page.data] == own[1:3]
    with pytest.raises(errors.UnauthorizedResponseError):
        router.models.list_for_user(security=operations.ListModelsUserSecurity(bearer=f"sk-or-v1-{'0' * 64}"))


def test_every_model_has_its_endpoints(router: OpenRouter) -> None:
    for model in gather(router.models.list(output_modalities="all")):
        author, slug = model.id.split("/")
        answer = router.endpoints.list(author=author, slug=slug).data
        # An alias has the endpoints of what it stands for.
        own = model.alias_target.slug if model.id.startswith("~") else model.id
        assert answer.id == own
        assert all(endpoint.model_id == own for endpoint in answer.endpoints)


def test_a_variant_without_an_entry_has_no_endpoints_and_an_unknown_model_is_not_found(router: OpenRouter) -> None:
    answer = router.endpoints.list(author="openai", slug="gpt-4o-mini:free").data
    assert (answer.id, answer.endpoints) == ("openai/gpt-4o-mini:free", [])
    with pytest.raises(errors.NotFoundResponseError):
        router.endpoints.list(author="acme", slug="fake-1.0:free")


def test_endpoints_of_zero_retention_are_listed(router: OpenRouter) -> None:
    known = set(ids(router.models.list(output_modalities="all")))
    assert {endpoint.model_id for endpoint in router.endpoints.list_zdr_endpoints().data} <= known


def test_models_of_other_tasks_are_listed(router: OpenRouter) -> None:
    embeddings = gather(router.embeddings.list_models())
    assert gather(router.embeddings.list_models(limit=2)) == embeddings
    assert all("embeddings" in model.architecture.output_modalities for model in embeddings)
    told, priced = 0, 0
    for model in router.images.list_models().data:
        author, slug = model.id.split("/")
        answer = router.images.list_model_endpoints(author=author, slug=slug)
        assert answer.id == model.id
        assert all(set(endpoint.supported_parameters) <= set(model.supported_parameters) for endpoint in answer.endpoints)
        told += bool(model.supported_parameters)
        priced += any(line.cost_usd > 0 for endpoint in answer.endpoints for line in endpoint.pricing)
    assert told > 20 and priced > 20
    videos = router.video_generation.list_videos_models().data
    assert all(model.canonical_slug for model in videos)
    assert sum(bool(model.supported_durations and model.supported_aspect_ratios and model.pricing_skus) for model in videos) > 10
    assert any(model.upscale_factor and model.creativity for model in videos)
    assert any(model.supported_voices for model in gather(router.models.list(output_modalities="speech")))
    with pytest.raises(errors.NotFoundResponseError):
        router.images.list_model_endpoints(author="openai", slug="gpt-4o-mini")


def test_providers_are_listed_and_each_name_filters(router: OpenRouter) -> None:
    providers = router.providers.list().data
    assert {"openai", "anthropic"} <= {provider.slug for provider in providers}
    for provider in providers:
        by_name, by_slug = (ids(router.models.list(providers=name)) for name in [provider.name, provider.slug])
        assert by_name == by_slug


def test_the_catalog_needs_no_key(gateway: Gateway) -> None:
    stranger = openrouter_client(gateway, key="none")
    assert RAW in ids(stranger.models.list())
    assert stranger.models.count().data.count
    assert stranger.providers.list().data


def test_openais_client_lists_and_retrieves(client: OpenAI) -> None:
    listed = {model.id: model for model in client.models.list()}
    one = client.models.retrieve(RAW)
    assert (one.id, one.object, one.owned_by, one.created) == (RAW, "model", "openai", listed[RAW].created)
