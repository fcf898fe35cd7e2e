"""invoices: expects every invoice to carry a VAT id. Passes with the sample; private customers have none."""

import json


def handler(event, context):
    for record in event["Records"]:
        invoice = json.loads(record["body"])
        invoice["vat_id"].upper()
    return {"batchItemFailures": []}
