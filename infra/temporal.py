"""The client of Temporal: address and TLS as Temporal's own settings say, payloads as pydantic models."""

from __future__ import annotations

import dataclasses

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes
from temporalio.envconfig import ClientConfig

from infra.codec import FernetCodec
from infra.settings import Settings


def data_converter(settings: Settings) -> DataConverter:
    """Pydantic payloads, encrypted when `HANDSEL_CODEC_KEYS` is set (failure texts too)."""
    if not settings.codec_keys:
        return pydantic_data_converter
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=FernetCodec(settings.codec_keys),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


async def connect(settings: Settings, *, lazy: bool = False) -> Client:
    """A client for this process. Lazy: connects at the first call, so pages work while Temporal is down."""
    options = ClientConfig.load_client_connect_config()
    options["target_host"] = settings.temporal_address or options.get("target_host", "")
    options["namespace"] = settings.temporal_namespace
    return await Client.connect(
        **options,
        data_converter=data_converter(settings),
        lazy=lazy,
    )
