"""Verifies deliveries with the reference library of Standard Webhooks, as a receiver does.

Standard input: [{ secret, headers, body }] in JSON. Answer: a list of the payloads, null where one was refused.
"""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


def verify(delivery):
    try:
        return Webhook(delivery["secret"]).verify(delivery["body"], delivery["headers"])
    except WebhookVerificationError:
        return None


print(json.dumps([verify(delivery) for delivery in json.load(sys.stdin)]))
