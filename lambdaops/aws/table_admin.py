"""Makes the DynamoDB table of a team's journals, and its protection.

Facts: a new table is CREATING for some seconds, and until then there is nothing to restore
(ContinuousBackupsUnavailableException: "Backups have not yet been enabled for this table"); on-demand tables need no
capacity planned (DynamoDB guide, "On-demand capacity mode"); deletion protection refuses DeleteTable until it is taken
off ("Using deletion protection").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambdaops.aws.faults import translating
from lambdaops.aws.session import Session
from lambdaops.core.errors import ConflictError, NotFoundError
from lambdaops.ports.tables import TableFacts

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import KeySchemaElementTypeDef

_KEYS: list[KeySchemaElementTypeDef] = [
    {"AttributeName": "key", "KeyType": "HASH"},
    {"AttributeName": "place", "KeyType": "RANGE"},
]


@dataclass(frozen=True)
class DynamoTableAdmin:
    """Implements ports.tables.TableAdmin."""

    session: Session
    name: str
    region: str | None = None

    def facts(self) -> TableFacts | None:
        """The table as it is."""
        client = self._client()
        try:
            with translating(f"look at the table {self.name}", target=self.name):
                table = client.describe_table(TableName=self.name)["Table"]
        except NotFoundError:
            return None
        ready = table.get("TableStatus") == "ACTIVE"
        recoverable = False
        if ready:
            with translating(f"look at the backups of the table {self.name}", target=self.name):
                found = client.describe_continuous_backups(TableName=self.name)["ContinuousBackupsDescription"]
            recoverable = found.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED"
        types = {item["AttributeName"]: item["AttributeType"] for item in table.get("AttributeDefinitions", [])}
        fits = table.get("KeySchema") == _KEYS and (types.get("key"), types.get("place")) == ("S", "S")
        return TableFacts(ready, fits, recoverable, bool(table.get("DeletionProtectionEnabled")))

    def create(self) -> None:
        """Make it: paid by request, protected from deletion."""
        with translating(f"make the table {self.name}", target=self.name):
            self._client().create_table(
                TableName=self.name,
                KeySchema=_KEYS,
                AttributeDefinitions=[
                    {"AttributeName": "key", "AttributeType": "S"},
                    {"AttributeName": "place", "AttributeType": "S"},
                ],
                BillingMode="PAY_PER_REQUEST",
                DeletionProtectionEnabled=True,
            )

    def protect(self) -> None:
        """Protect it from deletion."""
        with translating(f"protect the table {self.name} from deletion", target=self.name):
            self._client().update_table(TableName=self.name, DeletionProtectionEnabled=True)

    def make_recoverable(self) -> None:
        """Have AWS keep what it takes to restore any moment of the last 35 days."""
        client = self._client()
        with translating(f"keep backups of the table {self.name}", target=self.name):
            try:
                client.update_continuous_backups(
                    TableName=self.name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
                )
            except client.exceptions.ContinuousBackupsUnavailableException as error:
                raise ConflictError(
                    f"the table {self.name} is too young for backups", hint="Try again in a minute.", target=self.name
                ) from error

    def _client(self) -> DynamoDBClient:
        return self.session.tables(self.region)
