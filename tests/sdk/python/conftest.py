"""One gateway for all tests, and the clients of it. Retries are off: a fault that a test asks for must be seen, not waited out."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import openai
import pytest
from openrouter import OpenRouter
from openrouter.utils import BackoffStrategy, RetryConfig

from gateway import Gateway, new_key

NO_RETRIES = RetryConfig("none", BackoffStrategy(1, 1, 1.0, 1), retry_connection_errors=False)
TIMEOUT_SECONDS = 60

running = pytest.StashKey[Gateway]()


@pytest.fixture(scope="session")
def gateway(request: pytest.FixtureRequest) -> Iterator[Gateway]:
    gateway = Gateway(new_key())
    try:
        request.config.stash[running] = gateway.start()
        yield gateway
    finally:
        if request.session.testsfailed:
            print(f"\nthe gateway's last lines:\n{gateway.log_tail(15)}")
        gateway.close()


@pytest.fixture
def fresh_gateway() -> Iterator[Gateway]:
    """A gateway of one's own, not started, without a key of ours."""
    gateway = Gateway()
    try:
        yield gateway
    finally:
        gateway.close()


def openai_client(gateway: Gateway, key: str | None = None) -> openai.OpenAI:
    return openai.OpenAI(api_key=key or gateway.key, base_url=gateway.openai_url, max_retries=0, timeout=TIMEOUT_SECONDS)


class Headers:
    """The headers of the last answer: OpenRouter's client keeps them to itself."""

    def __init__(self) -> None:
        self.last = httpx.Headers()

    def keep(self, response: httpx.Response) -> None:
        self.last = response.headers


def openrouter_client(gateway: Gateway, key: str | None = None, seen: Headers | None = None, **options: str) -> OpenRouter:
    hooks = {"response": [seen.keep]} if seen else {}
    client = httpx.Client(timeout=TIMEOUT_SECONDS, event_hooks=hooks)
    return OpenRouter(api_key=key or gateway.key, server_url=gateway.openrouter_url, client=client, retry_config=NO_RETRIES, **options)


@pytest.fixture(scope="session")
def client(gateway: Gateway) -> openai.OpenAI:
    return openai_client(gateway)


@pytest.fixture(scope="session")
def seen() -> Headers:
    return Headers()


@pytest.fixture(scope="session")
def router(gateway: Gateway, seen: Headers) -> OpenRouter:
    return openrouter_client(gateway, seen=seen)
