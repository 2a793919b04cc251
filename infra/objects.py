"""The object store: drafts straight from the browser, evidence from the workers, one private bucket.

Any S3 serves. Browsers only ever get short presigned addresses, which carry the exact size and media type;
what came is verified by whoever asked for it. Nothing here may make an object public or list the bucket as a
whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from domain.errors import HandselError
from infra.settings import Settings

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client
    from types_boto3_s3.type_defs import CompletedPartTypeDef

PUT_SECONDS: Final = 30 * 60
"""How long a browser may use an address to upload to. A slow phone sends a part within it."""
GET_SECONDS: Final = 5 * 60
"""How long an address to look at a file works."""
PART_SIZE: Final = 8 * 1024 * 1024
"""Bytes of one part of a large upload; at least 5 MiB, S3's minimum."""

_TAKEN: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_ABSENT: Final = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchUpload"})


class StoreUnavailable(HandselError):
    """The object store did not answer, or refused us. Nothing was changed; try again."""

    code = "store_unavailable"
    status = 503


@dataclass(frozen=True)
class ObjectFacts:
    """What the store says of one object: bytes and the media type that was sent."""

    size: int
    media_type: str


@dataclass(frozen=True)
class Part:
    """One part of a large upload that is there already: number from 1, bytes, and the store's tag."""

    number: int
    size: int
    tag: str


@contextmanager
def _answers() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StoreUnavailable("the file store does not answer at the moment") from error


def _is_absent(error: ClientError) -> bool:
    return error.response.get("Error", {}).get("Code", "") in _ABSENT


class ObjectStore:
    """One bucket. Methods raise `StoreUnavailable` when the store cannot be asked."""

    def __init__(self, settings: Settings) -> None:
        self._bucket = settings.s3_bucket
        self._client = _client(settings, settings.s3_endpoint)
        public = settings.s3_public_endpoint
        self._signer = _client(settings, public) if public else self._client

    def ensure_bucket(self) -> None:
        """Make the bucket unless it is there."""
        try:
            self._client.head_bucket(Bucket=self._bucket)
        except ClientError as error:
            if not _is_absent(error):
                raise StoreUnavailable("the bucket cannot be looked at") from error
            with _answers():
                self._client.create_bucket(Bucket=self._bucket)
        except BotoCoreError as error:
            raise StoreUnavailable("the file store does not answer at the moment") from error

    def put(self, key: str, body: bytes, media_type: str) -> None:
        """Store a small object; the same key again replaces it."""
        with _answers():
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=media_type)

    def put_once(self, key: str, body: bytes, media_type: str) -> bool:
        """Store an object under a key that must stay as it is; False when the key is taken already."""
        if self.head(key) is not None:
            return False
        try:
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=body, ContentType=media_type, IfNoneMatch="*"
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code", "") in _TAKEN:
                return False
            raise StoreUnavailable("the file store does not answer at the moment") from error
        except BotoCoreError as error:
            raise StoreUnavailable("the file store does not answer at the moment") from error
        return True

    def read(self, key: str) -> bytes | None:
        """The whole of a small object; None when there is none."""
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if _is_absent(error):
                return None
            raise StoreUnavailable("the file store does not answer at the moment") from error
        except BotoCoreError as error:
            raise StoreUnavailable("the file store does not answer at the moment") from error

    def keys(self, prefix: str) -> list[str]:
        """Every key below a prefix, sorted. For what the program wrote itself; never for the whole bucket."""
        if not prefix.endswith("/"):
            raise ValueError("list below a folder only")
        with _answers():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return sorted(each["Key"] for page in pages for each in page.get("Contents", []))

    def head(self, key: str) -> ObjectFacts | None:
        """Size and type of an object; None when there is none."""
        try:
            found = self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if _is_absent(error):
                return None
            raise StoreUnavailable("the file store does not answer at the moment") from error
        except BotoCoreError as error:
            raise StoreUnavailable("the file store does not answer at the moment") from error
        return ObjectFacts(size=found["ContentLength"], media_type=found.get("ContentType", ""))

    def read_range(self, key: str, start: int, length: int) -> bytes:
        """These bytes of an object, fewer when it ends before."""
        wanted = f"bytes={start}-{start + length - 1}"
        with _answers():
            return self._client.get_object(Bucket=self._bucket, Key=key, Range=wanted)["Body"].read()

    def stream(self, key: str) -> Iterator[bytes]:
        """The whole object, a mebibyte at a time."""
        with _answers():
            body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
            yield from body.iter_chunks(1024 * 1024)

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is removed already."""
        with _answers():
            self._client.delete_object(Bucket=self._bucket, Key=key)

    # --- straight from and to the browser ---------------------------------------------------------

    def presign_put(self, key: str, media_type: str, size: int) -> str:
        """An address that takes exactly `size` bytes of this media type by PUT, for `PUT_SECONDS`."""
        return self._signer.generate_presigned_url(
            "put_object",
            Params={
                "Bucket": self._bucket,
                "Key": key,
                "ContentType": media_type,
                "ContentLength": size,
            },
            ExpiresIn=PUT_SECONDS,
        )

    def presign_get(
        self,
        key: str,
        file_name: str,
        disposition: Literal["inline", "attachment"] = "attachment",
        media_type: str = "application/octet-stream",
    ) -> str:
        """An address that shows the object under this name and type, for `GET_SECONDS`."""
        return self._signer.generate_presigned_url(
            "get_object",
            Params={
                "Bucket": self._bucket,
                "Key": key,
                "ResponseContentDisposition": f"{disposition}; filename*=UTF-8''{quote(file_name, safe='')}",
                "ResponseContentType": media_type,
            },
            ExpiresIn=GET_SECONDS,
        )

    def origin(self) -> str:
        """Scheme and host that browsers meet at presigned addresses, for a page's security policy."""
        parts = urlsplit(self.presign_get("origin", "origin"))
        return f"{parts.scheme}://{parts.netloc}"

    # --- large uploads, in parts ----------------------------------------------------------------

    def begin_parts(self, key: str, media_type: str) -> str:
        """The id of the upload in parts for this key: the one under way, else a new one."""
        under_way = self.find_parts(key)
        if under_way is not None:
            return under_way
        with _answers():
            made = self._client.create_multipart_upload(Bucket=self._bucket, Key=key, ContentType=media_type)
        return made["UploadId"]

    def find_parts(self, key: str) -> str | None:
        """The id of the upload in parts that is under way for this key, or None."""
        try:
            found = self._client.list_multipart_uploads(Bucket=self._bucket, Prefix=key)
        except ClientError as error:
            if _is_absent(error):  # some stores say so when there is none at all
                return None
            raise StoreUnavailable("the file store does not answer at the moment") from error
        except BotoCoreError as error:
            raise StoreUnavailable("the file store does not answer at the moment") from error
        return next((each["UploadId"] for each in found.get("Uploads", []) if each.get("Key") == key), None)

    def presign_part(self, key: str, upload_id: str, number: int, size: int) -> str:
        """An address that takes exactly `size` bytes as this part (from 1) by PUT."""
        return self._signer.generate_presigned_url(
            "upload_part",
            Params={
                "Bucket": self._bucket,
                "Key": key,
                "UploadId": upload_id,
                "PartNumber": number,
                "ContentLength": size,
            },
            ExpiresIn=PUT_SECONDS,
        )

    def parts(self, key: str, upload_id: str) -> list[Part]:
        """The parts that are there already, in order; none when the upload is gone."""
        try:
            pages = self._client.get_paginator("list_parts").paginate(
                Bucket=self._bucket, Key=key, UploadId=upload_id
            )
            return [
                Part(number=part["PartNumber"], size=part["Size"], tag=part["ETag"])
                for page in pages
                for part in page.get("Parts", [])
            ]
        except ClientError as error:
            if _is_absent(error):
                return []
            raise StoreUnavailable("the file store does not answer at the moment") from error
        except BotoCoreError as error:
            raise StoreUnavailable("the file store does not answer at the moment") from error

    def complete_parts(self, key: str, upload_id: str, parts: list[Part]) -> None:
        """Make one object of the parts."""
        listed: list[CompletedPartTypeDef] = [
            {"PartNumber": part.number, "ETag": part.tag} for part in sorted(parts, key=lambda p: p.number)
        ]
        with _answers():
            self._client.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": listed}
            )

    def abandon_parts(self, key: str, upload_id: str) -> None:
        """Drop what was sent so far."""
        with _answers():
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)


def _client(settings: Settings, endpoint: str) -> S3Client:
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "max_attempts": 3},
        # Other stores than Amazon's do not all know the newer default checksums.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return boto3.client(
        "s3",
        region_name=settings.s3_region,
        endpoint_url=endpoint or None,
        aws_access_key_id=settings.s3_access_key or None,
        aws_secret_access_key=settings.s3_secret_key or None,
        config=config,
    )
