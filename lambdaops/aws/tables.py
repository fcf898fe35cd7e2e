"""One DynamoDB table as the team's journals need it: rows that are written once, a register of keys, and notes.

Partition key ``key``, sort key ``place``, both text. A row stands under ``journal#KEY`` and its number with twenty
digits, so that text sorts as numbers do; the register under ``register``; a note under ``note#KEY``.

Facts this file rests on: a conditional put is atomic, and ``attribute_not_exists`` of the partition key means that
there is no such item (DynamoDB guide, "Condition expressions"); a transaction writes all of up to 100 items or none,
and a repeated token makes a repeated one succeed for ten minutes (API reference, TransactWriteItems); a failed
condition can answer with the item that is there (``ReturnValuesOnConditionCheckFailure``), so that a try of ours whose
answer was lost, and which botocore then repeats, is told from somebody else's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lambdaops.aws.faults import translating
from lambdaops.aws.session import Session
from lambdaops.core.stores import SCHEME, TableStore
from lambdaops.ports.tables import Row, RowExistsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

_DIGITS = 20
_REGISTER = "register"
_NOTE = "note"
_PAGE = 200
"""Rows of an answer at most; DynamoDB ends a page at 1 MB anyway."""
_RACED = {"ConditionalCheckFailed", "TransactionConflict"}


@dataclass(frozen=True)
class DynamoTable:
    """Implements ports.tables.Table; ``urgent`` waits seconds for an answer, not half a minute."""

    session: Session
    table: str
    region: str | None = None
    urgent: bool = False

    @property
    def name(self) -> str:
        """As a store's text names it: a table of the same name in another region is another one."""
        return str(TableStore(self.table, self.region)).removeprefix(SCHEME)

    def put_new(self, rows: Sequence[Row]) -> None:
        """Write all of them or none, and only where none is."""
        client = self._client()
        with translating(f"write to the table {self._where()}", target=self.name):
            try:
                if len(rows) == 1:
                    client.put_item(**self._new(rows[0]))
                else:
                    # botocore fills in the token, and repeats it when it tries again.
                    client.transact_write_items(TransactItems=[{"Put": self._new(row)} for row in rows])
            except client.exceptions.ConditionalCheckFailedException as error:
                # A dictionary of botocore's own; its stub does not know that the item comes with the error.
                there: Mapping[str, Any] = error.response
                if not _ours(rows, [there.get("Item")]):
                    raise RowExistsError from error
            except client.exceptions.TransactionCanceledException as error:
                reasons = error.response.get("CancellationReasons", [])
                if not {reason.get("Code") for reason in reasons} & _RACED:
                    raise
                if not _ours(rows, [reason.get("Item") for reason in reasons]):
                    raise RowExistsError from error

    def rows(self, key: str, after: int = 0) -> Iterator[Row]:
        """The rows of a key with a greater number, by number."""
        start: Mapping[str, Any] | None = None
        while True:
            found, start = self._query(f"journal#{key}", start=start, after=_place(after))
            yield from (_row(key, item) for item in found)
            if start is None:
                return

    def newest(self, key: str, count: int) -> tuple[Row, ...]:
        """The ``count`` rows of a key with the greatest numbers, by number."""
        rows: list[Row] = []
        start: Mapping[str, Any] | None = None
        while len(rows) < count:
            left = min(count - len(rows), _PAGE)
            found, start = self._query(f"journal#{key}", start=start, backwards=True, limit=left)
            rows += [_row(key, item) for item in found]
            if start is None:
                break
        return tuple(reversed(rows))

    def register(self, key: str) -> None:
        """Have :meth:`keys` list the key."""
        with translating(f"write to the table {self._where()}", target=self.name):
            self._client().put_item(TableName=self.table, Item={"key": {"S": _REGISTER}, "place": {"S": key}})

    def keys(self) -> tuple[str, ...]:
        """The registered keys, sorted."""
        keys: list[str] = []
        start: Mapping[str, Any] | None = None
        while True:
            found, start = self._query(_REGISTER, start=start)
            keys += [item["place"]["S"] for item in found]
            if start is None:
                return tuple(sorted(keys))

    def note(self, key: str) -> str | None:
        """The note of a key."""
        with translating(f"read the table {self._where()}", target=self.name):
            answer = self._client().get_item(TableName=self.table, Key=_note(key), ConsistentRead=True)
        return answer["Item"]["text"]["S"] if "Item" in answer else None

    def replace_note(self, key: str, old: str | None, new: str | None) -> bool:
        """Write, change or remove the note of a key if it still reads ``old``."""
        guard: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(#key)"}
        guard["ExpressionAttributeNames"] = {"#key": "key"}
        if old is not None:
            guard = {"ConditionExpression": "#text = :old", "ExpressionAttributeNames": {"#text": "text"}}
            guard["ExpressionAttributeValues"] = {":old": {"S": old}}
        client = self._client()
        with translating(f"write to the table {self._where()}", target=self.name):
            try:
                if new is None:
                    client.delete_item(TableName=self.table, Key=_note(key), **guard)
                else:
                    client.put_item(TableName=self.table, Item={**_note(key), "text": {"S": new}}, **guard)
            except client.exceptions.ConditionalCheckFailedException:
                return False
        return True

    def _new(self, row: Row) -> Any:  # noqa: ANN401 -- the same for two calls with types of their own
        return {
            "TableName": self.table,
            "Item": {
                "key": {"S": f"journal#{row.key}"},
                "place": {"S": _place(row.number)},
                "text": {"S": row.text},
                **({"attempt": {"S": row.attempt}} if row.attempt else {}),
            },
            "ConditionExpression": "attribute_not_exists(#key)",
            "ExpressionAttributeNames": {"#key": "key"},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _query(
        self,
        key: str,
        *,
        start: Mapping[str, Any] | None,
        after: str = "",
        backwards: bool = False,
        limit: int = _PAGE,
    ) -> tuple[list[Mapping[str, Any]], Mapping[str, Any] | None]:
        """One page, and where the next one begins."""
        request: dict[str, Any] = {"ExclusiveStartKey": start} if start else {}
        names, values, condition = {"#key": "key"}, {":key": {"S": key}}, "#key = :key"
        if after:
            names["#place"], values[":after"], condition = "place", {"S": after}, f"{condition} AND #place > :after"
        with translating(f"read the table {self._where()}", target=self.name):
            answer = self._client().query(
                TableName=self.table,
                KeyConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=values,
                ConsistentRead=True,
                ScanIndexForward=not backwards,
                Limit=limit,
                **request,
            )
        return list(answer["Items"]), answer.get("LastEvaluatedKey")

    def _where(self) -> str:
        return f"{self.table} in {self._client().meta.region_name}"

    def _client(self) -> DynamoDBClient:
        return self.session.tables(self.region, urgent=self.urgent)


def _place(number: int) -> str:
    return f"{number:0{_DIGITS}}"


def _note(key: str) -> dict[str, Any]:
    return {"key": {"S": f"{_NOTE}#{key}"}, "place": {"S": _NOTE}}


def _row(key: str, item: Mapping[str, Any]) -> Row:
    return Row(key, int(item["place"]["S"]), item["text"]["S"], item.get("attempt", {}).get("S", ""))


def _ours(rows: Sequence[Row], items: Sequence[Mapping[str, Any] | None]) -> bool:
    """Whether what is there already was written by the same attempt."""
    return [_row(row.key, item) if item else None for row, item in zip(rows, items, strict=False)] == list(rows)
