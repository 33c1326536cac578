"""The command line beside a running server, the first start, and restarts."""

from __future__ import annotations

import json
import os
import stat

import pytest
from openrouter import errors, operations

from conftest import openrouter_client
from gateway import Gateway
from samples import RAW, TEXT, USER


def asks(gateway: Gateway, key: str) -> str:
    return openrouter_client(gateway, key).chat.send(model="simulator/echo", messages=USER).choices[0].message.content


def is_refused(gateway: Gateway, key: str) -> bool:
    try:
        return not asks(gateway, key)
    except errors.UnauthorizedResponseError:
        return True


def test_a_key_made_beside_the_server_works_at_once(gateway: Gateway) -> None:
    made = gateway.cli_json("keys", "create", "--name", "crew", "--limit", "1.25", "--limit-reset", "weekly")
    answer = operations.CreateKeysResponse.model_validate(made)
    assert answer.key.startswith("sk-or-v1-")
    assert (answer.data.name, answer.data.limit, answer.data.limit_reset, answer.data.disabled) == ("crew", 1.25, "weekly", False)
    assert asks(gateway, answer.key) == TEXT


def test_a_key_is_dead_from_the_moment_that_disable_returns(gateway: Gateway) -> None:
    key, hash = gateway.create_key("short-lived")
    assert asks(gateway, key) == TEXT
    assert gateway.cli("keys", "disable", hash).returncode == 0
    with pytest.raises(errors.UnauthorizedResponseError) as caught:
        asks(gateway, key)
    assert caught.value.data.error.metadata["rule"] == "key_disabled"
    assert gateway.cli("keys", "enable", hash).returncode == 0
    assert asks(gateway, key) == TEXT


def test_a_deleted_key_is_refused_and_no_longer_listed(gateway: Gateway) -> None:
    key, hash = gateway.create_key("to-be-deleted")
    assert hash in gateway.cli("keys", "list", "--json").stdout
    assert gateway.cli("keys", "delete", hash).returncode == 0
    assert is_refused(gateway, key)
    assert hash not in gateway.cli("keys", "list", "--json").stdout


def test_a_rotated_key_has_a_new_secret_and_what_it_spent(gateway: Gateway) -> None:
    old, hash = gateway.create_key("rotated", "--limit", "1")
    assert asks(gateway, old) == TEXT
    spent = openrouter_client(gateway, old).api_keys.get_current_key_metadata().data.usage
    new = gateway.cli_json("keys", "rotate", hash)["key"]
    assert is_refused(gateway, old)
    data = openrouter_client(gateway, new).api_keys.get_current_key_metadata().data
    assert (data.usage, data.limit) == (spent, 1)
    assert spent > 0


def test_a_strict_limit_refuses_what_it_can_not_pay(gateway: Gateway) -> None:
    key, _ = gateway.create_key("poor", "--limit", "0.000001", "--enforcement", "strict")
    router = openrouter_client(gateway, key)
    with pytest.raises(errors.PaymentRequiredResponseError) as caught:
        router.chat.send(model=RAW, messages=USER, max_tokens=4000)
    assert caught.value.data.error.metadata["rule"] == "budget_exhausted"
    assert router.api_keys.get_current_key_metadata().data.usage == 0


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("keys", "show", "f" * 64), 5),
        (("keys", "create", "--name", "x", "--limit", "much"), 2),
        (("logs", "show", "gen-1700000000-abcdefghij0123456789"), 5),
        (("--config", "missing.toml", "config", "check"), 3),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_what_fails_says_why_on_standard_error_and_exits_with_its_code(gateway: Gateway, words: tuple[str, ...], status: int) -> None:
    done = gateway.cli(*words)
    assert done.returncode == status, done.stderr
    assert done.stderr.strip() and not done.stdout.strip()


def test_a_generation_can_be_looked_up_without_a_key_of_its_workspace(gateway: Gateway) -> None:
    answer = openrouter_client(gateway).chat.send(model=RAW, messages=USER)
    record = gateway.cli_json("logs", "show", answer.id)
    assert answer.id in json.dumps(record)
    assert TEXT not in json.dumps(record, ensure_ascii=False), "no content in records"


def test_a_request_can_be_explained_without_sending_it(gateway: Gateway) -> None:
    explained = gateway.cli_json("explain", "-", stdin=json.dumps({"model": RAW, "messages": USER}))
    data = explained.get("data", explained)
    assert data["requested_models"] == [RAW]
    assert any(candidate["status"] == "eligible" for candidate in data["candidates"])
    assert data["refusal"] is None


def test_a_second_server_on_the_same_data_is_refused(gateway: Gateway) -> None:
    done = gateway.cli("serve", "--listen", "127.0.0.1:0")
    assert done.returncode not in (0, 2), done.stderr
    assert gateway.ready(), "the first is not disturbed"


def test_the_first_start_makes_a_key_that_outlives_restarts(fresh_gateway: Gateway) -> None:
    gateway = fresh_gateway.start()
    file = gateway.data_dir / "first-run.json"
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    first = json.loads(file.read_text())
    key = first["api_key"]
    assert first["api_url"] == gateway.openrouter_url
    assert key not in gateway.log.read_text(), "standard output is no terminal: only the path of the file is printed"
    answer = openrouter_client(gateway, key).chat.send(model=RAW, messages=USER)
    assert gateway.stop() == 0

    gateway.start()
    assert json.loads(file.read_text())["api_key"] == key
    router = openrouter_client(gateway, key)
    assert router.generations.get_generation(id=answer.id).data.total_cost == pytest.approx(answer.usage.cost, abs=1e-12)
    assert router.api_keys.get_current_key_metadata().data.usage == pytest.approx(answer.usage.cost, abs=1e-12)
    assert gateway.stop() == 0


def test_keys_can_be_made_while_no_server_runs(fresh_gateway: Gateway) -> None:
    key, _ = fresh_gateway.create_key("made-before")
    fresh_gateway.start()
    assert asks(fresh_gateway, key) == TEXT
