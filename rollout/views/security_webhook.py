"""POST /webhooks/security: hand the raw body over, answer at once."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from pipeline.services.webhooks import MAX_BODY
from rollout.services import security


@csrf_exempt  # GitHub has no session; the signature over the body stands in its place
@require_POST
def alert(request: HttpRequest) -> JsonResponse:
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > MAX_BODY:
        return JsonResponse({"message": "The delivery is larger than GitHub sends; it was refused."}, status=413)
    answer = security.receive(request.headers, request.read(MAX_BODY + 1))
    return JsonResponse({"message": answer.sentence}, status=answer.status)
