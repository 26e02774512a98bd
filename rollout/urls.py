"""Addresses of the rollout outside of the admin: stop by API, stop by a signed link."""

from django.urls import path

from rollout.views import api, stop_link

urlpatterns = [
    path("api/rollouts/<int:rollout>", api.look, name="rollout-api"),
    path("api/rollouts/<int:rollout>/hold", api.hold, name="rollout-api-hold"),
    path("api/rollouts/<int:rollout>/rollback", api.roll_back, name="rollout-api-rollback"),
    path("stop/<str:token>/", stop_link.hold, name="rollout-stop-link"),
]
