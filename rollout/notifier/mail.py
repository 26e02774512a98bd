"""E-mail by Django's own backend (EMAIL_URL)."""

from __future__ import annotations

import smtplib

from django.core.mail import EmailMessage
from django.core.mail.message import BadHeaderError

from rollout.notifier.port import Message, NotSetUp, Rejected, TryLater


class Mail:
    """Every recipient sees only that the message came to them: they stand in Bcc."""

    def send(self, message: Message) -> None:
        if not message.recipients:
            raise NotSetUp("Nobody is to be mailed: no role of this rollout has a person with an e-mail address.")
        letter = EmailMessage(
            subject=" ".join(message.subject.split()),
            body=message.body,
            bcc=list(message.recipients),
            headers={"X-Controlplane-Key": message.key},
        )
        try:
            letter.send(fail_silently=False)
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, BadHeaderError, UnicodeError) as error:
            raise Rejected(f"The mail server refused the message ({type(error).__name__}); check addresses.") from error
        except (smtplib.SMTPException, OSError) as error:
            raise TryLater(f"The mail server did not take the message ({type(error).__name__}).") from error
