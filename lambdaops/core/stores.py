"""Where journals are kept: files of this machine, or a table that a team shares."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lambdaops.core.errors import UsageError

FILES = "files"
SCHEME = "dynamodb://"
VARIABLE = "LAMBDAOPS_STORE"
# "Names must be between 3 and 255 characters long and can contain only ... a-z, A-Z, 0-9, _, -, .": DynamoDB guide,
# "Naming rules".
PATTERN = r"files|dynamodb://[A-Za-z0-9_.-]{3,255}(\?region=[a-z0-9-]+)?"
_TABLE = re.compile(r"dynamodb://([A-Za-z0-9_.-]{3,255})(?:\?region=([a-z0-9-]+))?")


@dataclass(frozen=True, slots=True)
class TableStore:
    """A DynamoDB table; without a region it is in the one of the command."""

    table: str
    region: str | None = None

    def __str__(self) -> str:
        return f"{SCHEME}{self.table}" + (f"?region={self.region}" if self.region else "")


def cloudformation(store: TableStore) -> str:
    """The table as a CloudFormation template, for those who let nobody make tables by hand."""
    return f"""\
AWSTemplateFormatVersion: "2010-09-09"
Description: Journals of lambdaops
Resources:
  Journals:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      TableName: {store.table}
      BillingMode: PAY_PER_REQUEST
      DeletionProtectionEnabled: true
      PointInTimeRecoverySpecification:
        PointInTimeRecoveryEnabled: true
      AttributeDefinitions:
        - {{AttributeName: key, AttributeType: S}}
        - {{AttributeName: place, AttributeType: S}}
      KeySchema:
        - {{AttributeName: key, KeyType: HASH}}
        - {{AttributeName: place, KeyType: RANGE}}
"""


def parse_store(text: str) -> TableStore | None:
    """Understand ``dynamodb://TABLE``, ``dynamodb://TABLE?region=REGION`` or ``files``, which is None.

    Raises:
        UsageError: it is none of these.
    """
    if text == FILES:
        return None
    found = _TABLE.fullmatch(text)
    if found is None:
        raise UsageError(
            f"{text!r} is not a store", hint="Like dynamodb://TABLE, dynamodb://TABLE?region=eu-central-1, or files."
        )
    return TableStore(found[1], found[2])
