"""The team's table: what DynamoDB is asked, and what is made of its answers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber

from lambdaops.aws.table_admin import DynamoTableAdmin
from lambdaops.aws.tables import DynamoTable
from lambdaops.core.errors import AccessDeniedError, AwsError, ConflictError, NotFoundError, ThrottledError
from lambdaops.ports.tables import Row, RowExistsError, TableFacts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambdaops.aws.session import Session

KEY = "arn:aws:lambda:eu-west-1:123456789012:function:orders:live"
ROW = Row(KEY, 7, '{"seq":7}')
ITEM = {"key": {"S": f"journal#{KEY}"}, "place": {"S": "00000000000000000007"}, "text": {"S": '{"seq":7}'}}
PUT = {
    "TableName": "team",
    "Item": ITEM,
    "ConditionExpression": "attribute_not_exists(#key)",
    "ExpressionAttributeNames": {"#key": "key"},
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}
NEXT = {**ITEM, "place": {"S": "00000000000000000008"}, "text": {"S": '{"seq":8}'}}
ROWS = (ROW, Row(KEY, 8, '{"seq":8}'))


@pytest.fixture
def table(session: Session) -> DynamoTable:
    return DynamoTable(session, "team")


@contextmanager
def stubbed(session: Session, *, urgent: bool = False) -> Iterator[Stubber]:
    with Stubber(session.tables(urgent=urgent)) as stub:
        yield stub
        stub.assert_no_pending_responses()


def refuse(stub: Stubber, operation: str, code: str, **more: Any) -> None:
    stub.add_client_error(operation, code, "refused", modeled_fields=more)


# -- rows ------------------------------------------------------------------------------------------------------------


def test_one_row_is_put_where_none_is(session: Session, table: DynamoTable) -> None:
    with stubbed(session) as calls:
        calls.add_response("put_item", {}, PUT)
        table.put_new([ROW])


def test_several_are_one_transaction(session: Session, table: DynamoTable) -> None:
    with stubbed(session) as calls:
        puts = [{"Put": PUT}, {"Put": {**PUT, "Item": NEXT}}]
        calls.add_response("transact_write_items", {}, {"TransactItems": puts})
        table.put_new(ROWS)


def test_a_row_of_somebody_else_s(session: Session, table: DynamoTable) -> None:
    with stubbed(session) as calls:
        refuse(calls, "put_item", "ConditionalCheckFailedException", Item={**ITEM, "text": {"S": "theirs"}})
        with pytest.raises(RowExistsError):
            table.put_new([ROW])


def test_a_row_of_our_own_whose_answer_was_lost(session: Session, table: DynamoTable) -> None:
    with stubbed(session) as calls:
        refuse(calls, "put_item", "ConditionalCheckFailedException", Item=ITEM)
        table.put_new([ROW])


TRIED = Row(KEY, 7, '{"seq":7}', "a1")
TRIED_ITEM = {**ITEM, "attempt": {"S": "a1"}}


def test_a_row_says_which_attempt_wrote_it(session: Session, table: DynamoTable) -> None:
    with stubbed(session) as calls:
        calls.add_response("put_item", {}, {**PUT, "Item": TRIED_ITEM})
        table.put_new([TRIED])
        calls.add_response("query", {"Items": [NEXT, TRIED_ITEM]}, query(ScanIndexForward=False, Limit=2))
        assert table.newest(KEY, 2) == (TRIED, ROWS[1])


@pytest.mark.parametrize("theirs", [ITEM, {**ITEM, "attempt": {"S": "b2"}}])
def test_the_same_row_by_somebody_else_is_not_ours(
    session: Session, table: DynamoTable, theirs: dict[str, Any]
) -> None:
    with stubbed(session) as calls:
        refuse(calls, "put_item", "ConditionalCheckFailedException", Item=theirs)
        with pytest.raises(RowExistsError):
            table.put_new([TRIED])
        refuse(calls, "put_item", "ConditionalCheckFailedException", Item=TRIED_ITEM)
        table.put_new([TRIED])


def cancelled(*reasons: dict[str, Any]) -> dict[str, Any]:
    return {"CancellationReasons": list(reasons)}


FAILED = "ConditionalCheckFailed"


@pytest.mark.parametrize(
    "reasons",
    [
        cancelled({"Code": FAILED, "Item": {**ITEM, "text": {"S": "theirs"}}}, {"Code": "None"}),
        cancelled({"Code": FAILED, "Item": ITEM}, {"Code": "None"}),
        cancelled({"Code": "TransactionConflict"}, {"Code": "None"}),
    ],
)
def test_a_transaction_that_somebody_else_was_before(
    session: Session, table: DynamoTable, reasons: dict[str, Any]
) -> None:
    with stubbed(session) as calls:
        refuse(calls, "transact_write_items", "TransactionCanceledException", **reasons)
        with pytest.raises(RowExistsError):
            table.put_new(ROWS)


def test_a_transaction_of_our_own_whose_answer_was_lost(session: Session, table: DynamoTable) -> None:
    with stubbed(session) as calls:
        reasons = cancelled({"Code": FAILED, "Item": ITEM}, {"Code": FAILED, "Item": NEXT})
        refuse(calls, "transact_write_items", "TransactionCanceledException", **reasons)
        table.put_new(ROWS)


def test_a_transaction_that_was_refused_for_another_reason(session: Session, table: DynamoTable) -> None:
    with stubbed(session) as calls:
        reasons = cancelled({"Code": "ValidationError"}, {"Code": "None"})
        refuse(calls, "transact_write_items", "TransactionCanceledException", **reasons)
        with pytest.raises(AwsError):
            table.put_new(ROWS)


def query(**more: Any) -> dict[str, Any]:
    return {
        "TableName": "team",
        "KeyConditionExpression": "#key = :key",
        "ExpressionAttributeNames": {"#key": "key"},
        "ExpressionAttributeValues": {":key": {"S": f"journal#{KEY}"}},
        "ConsistentRead": True,
        "ScanIndexForward": True,
        "Limit": 200,
        **more,
    }


def test_what_is_new_page_by_page(session: Session, table: DynamoTable) -> None:
    after = query(
        KeyConditionExpression="#key = :key AND #place > :after",
        ExpressionAttributeNames={"#key": "key", "#place": "place"},
        ExpressionAttributeValues={":key": {"S": f"journal#{KEY}"}, ":after": {"S": "00000000000000000006"}},
    )
    there = {"key": ITEM["key"], "place": ITEM["place"]}
    with stubbed(session) as calls:
        calls.add_response("query", {"Items": [ITEM], "LastEvaluatedKey": there}, after)
        calls.add_response("query", {"Items": [NEXT]}, {**after, "ExclusiveStartKey": there})
        assert tuple(table.rows(KEY, 6)) == ROWS


def test_the_newest_page_by_page(session: Session, table: DynamoTable) -> None:
    there = {"key": NEXT["key"], "place": NEXT["place"]}
    with stubbed(session) as calls:
        page = {"Items": [NEXT], "LastEvaluatedKey": there}
        calls.add_response("query", page, query(ScanIndexForward=False, Limit=3))
        calls.add_response("query", {"Items": [ITEM]}, query(ScanIndexForward=False, Limit=2, ExclusiveStartKey=there))
        assert table.newest(KEY, 3) == ROWS


def test_keys(session: Session, table: DynamoTable) -> None:
    with stubbed(session) as calls:
        item = {"key": {"S": "register"}, "place": {"S": KEY}}
        calls.add_response("put_item", {}, {"TableName": "team", "Item": item})
        table.register(KEY)
        asked = query(ExpressionAttributeValues={":key": {"S": "register"}})
        calls.add_response("query", {"Items": [item]}, asked)
        assert table.keys() == (KEY,)


# -- notes -----------------------------------------------------------------------------------------------------------

NOTE = {"key": {"S": f"note#{KEY}"}, "place": {"S": "note"}}
NOBODY = {"ConditionExpression": "attribute_not_exists(#key)", "ExpressionAttributeNames": {"#key": "key"}}
MINE = {
    "ConditionExpression": "#text = :old",
    "ExpressionAttributeNames": {"#text": "text"},
    "ExpressionAttributeValues": {":old": {"S": "mine"}},
}


def test_a_note_is_read(session: Session, table: DynamoTable) -> None:
    with stubbed(session) as calls:
        asked = {"TableName": "team", "Key": NOTE, "ConsistentRead": True}
        calls.add_response("get_item", {"Item": {**NOTE, "text": {"S": "mine"}}}, asked)
        calls.add_response("get_item", {}, asked)
        assert [table.note(KEY), table.note(KEY)] == ["mine", None]


def test_a_note_is_compared_and_swapped(session: Session, table: DynamoTable) -> None:
    with stubbed(session) as calls:
        calls.add_response("put_item", {}, {"TableName": "team", "Item": {**NOTE, "text": {"S": "mine"}}, **NOBODY})
        calls.add_response("put_item", {}, {"TableName": "team", "Item": {**NOTE, "text": {"S": "new"}}, **MINE})
        calls.add_response("delete_item", {}, {"TableName": "team", "Key": NOTE, **MINE})
        assert table.replace_note(KEY, None, "mine")
        assert table.replace_note(KEY, "mine", "new")
        assert table.replace_note(KEY, "mine", None)


def test_a_note_that_another_has_changed(session: Session, table: DynamoTable) -> None:
    with stubbed(session) as calls:
        refuse(calls, "put_item", "ConditionalCheckFailedException")
        refuse(calls, "delete_item", "ConditionalCheckFailedException")
        assert not table.replace_note(KEY, "mine", "new")
        assert not table.replace_note(KEY, "mine", None)


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "error", "hint"),
    [
        ("AccessDeniedException", AccessDeniedError, "dynamodb:Query"),
        ("ResourceNotFoundException", NotFoundError, ""),
        ("ProvisionedThroughputExceededException", ThrottledError, ""),
        ("ThrottlingException", ThrottledError, ""),
    ],
)
def test_a_refusal(session: Session, table: DynamoTable, code: str, error: type[Exception], hint: str) -> None:
    with stubbed(session) as calls:
        calls.add_client_error("query", code, "no")
        with pytest.raises(error, match="could not read the table team in eu-central-1") as caught:
            table.newest(KEY, 1)
        assert hint in getattr(caught.value, "hint", "")


def test_a_table_elsewhere_is_named_with_its_region(session: Session, table: DynamoTable) -> None:
    assert table.name == "team"
    assert DynamoTable(session, "team", "us-east-1").name == "team?region=us-east-1"


def test_an_urgent_table_has_a_client_of_its_own(session: Session) -> None:
    with stubbed(session, urgent=True) as calls:
        calls.add_response("query", {"Items": []}, query(ScanIndexForward=False, Limit=1))
        assert DynamoTable(session, "team", urgent=True).newest(KEY, 1) == ()
    clients: list[Any] = [session.tables(urgent=True), session.tables()]
    urgent, usual = (client.meta.config.read_timeout for client in clients)
    assert urgent < usual


# -- making it -------------------------------------------------------------------------------------------------------

KEYS = [{"AttributeName": "key", "KeyType": "HASH"}, {"AttributeName": "place", "KeyType": "RANGE"}]
TYPES = [{"AttributeName": "key", "AttributeType": "S"}, {"AttributeName": "place", "AttributeType": "S"}]


@pytest.fixture
def admin(session: Session) -> DynamoTableAdmin:
    return DynamoTableAdmin(session, "team")


def described(status: str = "ACTIVE", types: Any = TYPES, **more: Any) -> dict[str, Any]:
    return {"Table": {"TableStatus": status, "KeySchema": KEYS, "AttributeDefinitions": types, **more}}


def backups(status: str) -> dict[str, Any]:
    kept = {"PointInTimeRecoveryStatus": status}
    return {
        "ContinuousBackupsDescription": {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": kept}
    }


def facts(*, ready: bool = True, fits: bool = True, recoverable: bool = False, protected: bool = False) -> TableFacts:
    return TableFacts(ready, fits, recoverable, protected)


@pytest.mark.parametrize(
    ("answer", "kept", "wanted"),
    [
        (described(DeletionProtectionEnabled=True), "ENABLED", facts(recoverable=True, protected=True)),
        (described(), "DISABLED", facts()),
        (described(types=[{**TYPES[0], "AttributeType": "N"}, TYPES[1]]), "DISABLED", facts(fits=False)),
        (described("CREATING"), "", facts(ready=False)),
    ],
)
def test_facts(
    session: Session, admin: DynamoTableAdmin, answer: dict[str, Any], kept: str, wanted: TableFacts
) -> None:
    with stubbed(session) as calls:
        calls.add_response("describe_table", answer, {"TableName": "team"})
        if kept:
            calls.add_response("describe_continuous_backups", backups(kept), {"TableName": "team"})
        assert admin.facts() == wanted


def test_no_table(session: Session, admin: DynamoTableAdmin) -> None:
    with stubbed(session) as calls:
        refuse(calls, "describe_table", "ResourceNotFoundException")
        assert admin.facts() is None


def test_making_and_protecting(session: Session, admin: DynamoTableAdmin) -> None:
    with stubbed(session) as calls:
        made = {"TableName": "team", "KeySchema": KEYS, "AttributeDefinitions": TYPES, "BillingMode": "PAY_PER_REQUEST"}
        calls.add_response("create_table", {}, {**made, "DeletionProtectionEnabled": True})
        calls.add_response("update_table", {}, {"TableName": "team", "DeletionProtectionEnabled": True})
        kept = {"PointInTimeRecoveryEnabled": True}
        asked = {"TableName": "team", "PointInTimeRecoverySpecification": kept}
        calls.add_response("update_continuous_backups", {}, asked)
        refuse(calls, "update_continuous_backups", "ContinuousBackupsUnavailableException")
        refuse(calls, "create_table", "ResourceInUseException")
        admin.create()
        admin.protect()
        admin.make_recoverable()
        with pytest.raises(ConflictError, match="too young"):
            admin.make_recoverable()
        with pytest.raises(ConflictError):
            admin.create()
