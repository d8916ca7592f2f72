"""Sizes that server and client must agree on. Not generated."""

from typing import Final

MAX_IMAGE_BYTES: Final = 16 * 1024 * 1024
"""Largest image sent inside a message; larger ones go through GatewayService.UploadImage."""

MAX_MESSAGE_BYTES: Final = MAX_IMAGE_BYTES + 1024 * 1024
"""Largest message that server and client take: one largest image and 1 MiB for what is around it."""

MAX_UPLOAD_CHUNK_BYTES: Final = 4 * 1024 * 1024
"""Largest piece of an image in one message of GatewayService.UploadImage."""

SERVICE_MESSAGE_BYTES: Final = 256 * 1024 * 1024
"""What a service behind the gateway takes: the gateway hands on batches and uploaded images whole."""
