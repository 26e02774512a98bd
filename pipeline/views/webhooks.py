"""POST /webhooks/github: hand the raw body over, answer at once."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from pipeline.services import webhooks


@csrf_exempt  # GitHub has no session; the signature over the body stands in its place
@require_POST
def github(request: HttpRequest) -> JsonResponse:
    if _announced(request) > webhooks.MAX_BODY:
        return JsonResponse({"message": "The delivery is larger than GitHub sends; it was refused."}, status=413)
    answer = webhooks.receive(request.headers, request.read(webhooks.MAX_BODY + 1))
    return JsonResponse({"message": answer.sentence}, status=answer.status)


def _announced(request: HttpRequest) -> int:
    length = request.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else 0
