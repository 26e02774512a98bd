from django.apps import AppConfig


class RolloutConfig(AppConfig):
    name = "rollout"
    verbose_name = "Rollout"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # All of them read models, which Django has loaded only now.
        from pipeline.services import demonstration  # noqa: PLC0415
        from rollout.metrics import guidance  # noqa: PLC0415
        from rollout.services.reviews.forgetting import forget  # noqa: PLC0415
        from rollout.services.surveys import Scores  # noqa: PLC0415

        guidance.register(Scores())
        demonstration.forget_also(forget)
